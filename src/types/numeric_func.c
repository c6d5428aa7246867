/* Operators and functions over numeric; the result scales are PostgreSQL's. */
#include "types/numeric.h"

#include <limits.h>
#include <math.h>

struct pair {
    struct num x, y;
};

static struct error *read_pair(const struct value *v, struct pair *p)
{
    TRY(num_read(v[0].s.p, v[0].s.n, &p->x));
    struct error *e = num_read(v[1].s.p, v[1].s.n, &p->y);
    if (e)
        num_done(&p->x);
    return e;
}

static struct error *finish_pair(struct pair *p, struct arena *a, struct value *ret)
{
    num_done(&p->y);
    return num_finish(&p->x, a, ret);
}

static struct error *drop_pair(struct pair *p, struct error *e)
{
    num_done(&p->x);
    num_done(&p->y);
    return e;
}

/* ---- operators ---- */

static CALL(numeric_add)
{
    struct pair p;
    TRY(read_pair(v, &p));
    num_add(&p.x, &p.y);
    return finish_pair(&p, a, ret);
}

static CALL(numeric_sub)
{
    struct pair p;
    TRY(read_pair(v, &p));
    num_sub(&p.x, &p.y);
    return finish_pair(&p, a, ret);
}

static CALL(numeric_mul)
{
    struct pair p;
    TRY(read_pair(v, &p));
    num_mul(&p.x, &p.y);
    return finish_pair(&p, a, ret);
}

static struct error *check_divisor(struct pair *p)
{
    bool zero = num_sign(&p->y) == 0 && p->x.kind != NUM_NAN;
    return zero ? drop_pair(p, num_division_by_zero()) : NULL;
}

static CALL(numeric_div)
{
    struct pair p;
    TRY(read_pair(v, &p));
    TRY(check_divisor(&p));
    num_div(&p.x, &p.y, num_div_scale(&p.x, &p.y), true);
    return finish_pair(&p, a, ret);
}

static CALL(numeric_mod)
{
    struct pair p;
    TRY(read_pair(v, &p));
    TRY(check_divisor(&p));
    if (p.x.kind || p.y.kind) {
        if (p.x.kind || p.y.kind == NUM_NAN)
            num_of_special(NAN, &p.x);
        return finish_pair(&p, a, ret);
    }
    struct num quotient;
    num_copy(&p.x, &quotient);
    num_div(&quotient, &p.y, 0, false);
    num_mul(&quotient, &p.y);
    num_sub(&p.x, &quotient);
    num_done(&quotient);
    return finish_pair(&p, a, ret);
}

static CALL(numeric_div_trunc)
{
    struct pair p;
    TRY(read_pair(v, &p));
    TRY(check_divisor(&p));
    num_div(&p.x, &p.y, 0, false);
    return finish_pair(&p, a, ret);
}

static struct error *over_integers(const struct value *v,
                                   void (*fn)(mpz_t, const mpz_t, const mpz_t), struct arena *a,
                                   struct value *ret)
{
    struct pair p;
    TRY(read_pair(v, &p));
    if (p.x.kind || p.y.kind) {
        num_done(&p.x);
        num_of_special(NAN, &p.x);
        return finish_pair(&p, a, ret);
    }
    int scale = MAX(p.x.scale, p.y.scale);
    num_rescale(&p.x, scale);
    num_rescale(&p.y, scale);
    num_grow(&p.x);
    num_grow(&p.y);
    fn(p.x.z, p.x.z, p.y.z);
    return finish_pair(&p, a, ret);
}

static CALL(numeric_gcd)
{
    return over_integers(v, mpz_gcd, a, ret);
}

static CALL(numeric_lcm)
{
    return over_integers(v, mpz_lcm, a, ret);
}

static CALL(numeric_neg)
{
    struct num x;
    TRY(num_read(v->s.p, v->s.n, &x));
    num_negate(&x);
    return num_finish(&x, a, ret);
}

static CALL(numeric_abs)
{
    struct num x;
    TRY(num_read(v->s.p, v->s.n, &x));
    if (num_sign(&x) < 0)
        num_negate(&x);
    return num_finish(&x, a, ret);
}

static CALL(numeric_same)
{
    *ret = v[0];
    return NULL;
}

/* ---- rounding ---- */

/* PostgreSQL clamps the digits asked for to those that a numeric can have, and one to round up to
 */
enum { SCALE_MAX = 16383, TENS_MAX = 131073 };

static struct error *round_to(const struct value *v, int64_t digits, bool round, struct arena *a,
                              struct value *ret)
{
    struct num x;
    TRY(num_read(v->s.p, v->s.n, &x));
    int scale = (int)MIN(MAX(digits, -TENS_MAX), SCALE_MAX);
    if (scale < 0) { /* tens, hundreds, ..: move the point, round, move it back */
        x.scale -= scale;
        if (round)
            num_rescale(&x, 0);
        else
            num_truncate(&x, 0);
        num_rescale(&x, -scale);
        x.scale = 0;
    } else if (round) {
        num_rescale(&x, scale);
    } else {
        num_truncate(&x, scale);
    }
    return num_finish(&x, a, ret);
}

static CALL(numeric_round)
{
    return round_to(v, n > 1 ? v[1].i : 0, true, a, ret);
}

static CALL(numeric_trunc)
{
    return round_to(v, n > 1 ? v[1].i : 0, false, a, ret);
}

static struct error *whole_beside(const struct value *v, int direction, struct arena *a,
                                  struct value *ret)
{
    struct num x, whole, one;
    TRY(num_read(v->s.p, v->s.n, &x));
    num_copy(&x, &whole);
    num_truncate(&whole, 0);
    if (num_compare(&x, &whole) == direction) {
        num_of_int(direction, &one);
        num_add(&whole, &one);
    }
    num_done(&x);
    return num_finish(&whole, a, ret);
}

static CALL(numeric_ceil)
{
    return whole_beside(v, 1, a, ret);
}

static CALL(numeric_floor)
{
    return whole_beside(v, -1, a, ret);
}

static CALL(numeric_sign)
{
    struct num x;
    TRY(num_read(v->s.p, v->s.n, &x));
    int sign = num_sign(&x);
    if (x.kind == NUM_NAN)
        return num_finish(&x, a, ret);
    num_done(&x);
    types__numeric_of_wide(sign, a, ret);
    return NULL;
}

/* Of what is not finite the scale is NULL. */
static CALL(numeric_scale)
{
    *ret = (struct value){.kind = VALUE_NULL};
    if (!types__numeric_finite(v))
        return NULL;
    const char *point = memchr(v->s.p, '.', v->s.n);
    *ret = value_int(point ? (int64_t)v->s.n - (point - v->s.p) - 1 : 0);
    return NULL;
}

static CALL(numeric_trim_scale)
{
    *ret = value_text(v->s.p, types__numeric_canonical(v->s.p, v->s.n));
    return NULL;
}

static CALL(numeric_min_scale)
{
    struct value trimmed = value_text(v->s.p, types__numeric_canonical(v->s.p, v->s.n));
    return numeric_scale(&trimmed, 1, a, ret);
}

/* ---- roots and powers ---- */

void num_sqrt(struct num *x, int scale)
{
    /* one digit more than wanted, cut, then rounded: that digit is 5 or more just when the rest of
     * the root lies above the half */
    num_truncate(x, 2 * (scale + 1));
    num_grow(x);
    mpz_sqrt(x->z, x->z);
    x->scale = scale + 1;
    num_rescale(x, scale);
}

static CALL(numeric_sqrt)
{
    struct num x;
    TRY(num_read(v->s.p, v->s.n, &x));
    if (num_sign(&x) < 0) {
        num_done(&x);
        return error_new("2201F", "cannot take square root of a negative number");
    }
    if (x.kind)
        return num_finish(&x, a, ret);
    int exponent = num_exponent(&x);
    int weight = exponent >= 0 ? exponent / 4 : -((3 - exponent) / 4); /* in groups of 4 digits */
    int scale = NUM_MIN_SIGNIFICANT - ((weight + 1) * 4 / 2 - 1);
    scale = MIN(MAX(scale, MAX(x.scale, 0)), NUM_MAX_RESULT_SCALE);
    num_sqrt(&x, scale);
    return num_finish(&x, a, ret);
}

static double approximate_log10(const struct num *x)
{
    struct num copy;
    num_copy(x, &copy);
    num_grow(&copy);
    long bits = 0;
    double mantissa = fabs(mpz_get_d_2exp(&bits, copy.z));
    num_done(&copy);
    return log10(mantissa) + (double)bits * log10(2.0) - x->scale;
}

enum { POWER_MAX_DIGITS = 20000 };

/* x^n for a whole n, exactly where that is not too long, then rounded to PostgreSQL's scale */
static struct error *int_power(struct num *x, long power)
{
    double weight = num_sign(x) ? (double)power * approximate_log10(x) : 0;
    if (weight > NUM_MAX_DIGITS)
        return num_too_big();
    int scale = MIN(MAX(NUM_MIN_SIGNIFICANT, x->scale), NUM_MAX_RESULT_SCALE);
    if (weight < -NUM_MAX_RESULT_SCALE - 1) {
        num_done(x);
        *x = (struct num){.scale = scale};
        return NULL;
    }
    if (fabs((double)power) * (x->scale + fabs(weight / (double)power)) > POWER_MAX_DIGITS) {
        struct num exponent;
        num_of_int(power, &exponent);
        return num_power(x, &exponent, power % 2 != 0, scale);
    }
    num_grow(x);
    mpz_pow_ui(x->z, x->z, (unsigned long)labs(power));
    x->scale *= (int)labs(power);
    if (power < 0) {
        struct num one;
        num_of_int(1, &one);
        num_div(&one, x, scale, true);
        num_done(x);
        *x = one;
    } else {
        num_rescale(x, scale);
    }
    return NULL;
}

static struct error *complex_power(void)
{
    return error_new("2201F",
                     "a negative number raised to a non-integer power yields a complex result");
}

/* A double that lies to 0, 1 and -1 as x does. */
static double beside_one(const struct num *x)
{
    struct num one;
    if (x->kind)
        return x->kind == NUM_NAN             ? (double)NAN
               : x->kind == NUM_PLUS_INFINITY ? (double)INFINITY
                                              : -(double)INFINITY;
    num_of_int(num_sign(x), &one);
    int order = num_compare(x, &one) * num_sign(x);
    return num_sign(x) * (order < 0 ? 0.5 : order > 0 ? 2.0 : 1.0);
}

/* x ^ y as POSIX has it, where one of them is not finite: a whole number, or not. */
static struct error *special_power(struct pair *p, bool integral, bool odd)
{
    double x = beside_one(&p->x), y = beside_one(&p->y);
    if (isfinite(y) && y != 0)
        y = num_sign(&p->y) * (odd ? 1 : 2);
    if (x == 0 && y < 0)
        return error_new("2201F", "zero raised to a negative power is undefined");
    if (x < 0 && !isnan(y) && !isinf(y) && !integral)
        return complex_power();
    num_done(&p->x);
    num_of_special(pow(x, y), &p->x);
    return NULL;
}

static struct error *power_of(struct pair *p)
{
    struct num whole;
    num_copy(&p->y, &whole);
    num_truncate(&whole, 0);
    bool integral = num_compare(&whole, &p->y) == 0;
    bool small = !whole.big && whole.small >= INT_MIN && whole.small <= INT_MAX;
    long power = small ? (long)whole.small : 0;
    num_grow(&whole);
    bool odd = integral && mpz_odd_p(whole.z);
    num_done(&whole);
    if (p->x.kind || p->y.kind)
        return special_power(p, integral, odd);
    if (num_sign(&p->x) == 0 && num_sign(&p->y) < 0)
        return error_new("2201F", "zero raised to a negative power is undefined");
    if (num_sign(&p->x) < 0 && !integral)
        return complex_power();
    return integral && small ? int_power(&p->x, power) : num_power(&p->x, &p->y, odd, -1);
}

static CALL(numeric_power)
{
    struct pair p;
    TRY(read_pair(v, &p));
    struct error *e = power_of(&p);
    return e ? drop_pair(&p, e) : finish_pair(&p, a, ret);
}

static struct error *of_one(const struct value *v, struct error *(*fn)(struct num *x),
                            struct arena *a, struct value *ret)
{
    struct num x;
    TRY(num_read(v->s.p, v->s.n, &x));
    struct error *e = fn(&x);
    if (!e)
        return num_finish(&x, a, ret);
    num_done(&x);
    return e;
}

static CALL(numeric_exp)
{
    return of_one(v, num_exp, a, ret);
}

static CALL(numeric_ln)
{
    return of_one(v, num_ln, a, ret);
}

/* (base, x) */
static CALL(numeric_log)
{
    struct pair p;
    TRY(read_pair(v, &p));
    struct error *e = num_log(&p.y, &p.x);
    if (e)
        return drop_pair(&p, e);
    num_done(&p.x);
    return num_finish(&p.y, a, ret);
}

static CALL(numeric_log10)
{
    const struct value args[2] = {value_text("10", 2), v[0]};
    return numeric_log(args, 2, a, ret);
}

static CALL(numeric_factorial)
{
    if (v[0].i < 0)
        return error_new(E_OUT_OF_RANGE, "factorial of a negative number is undefined");
    if (v[0].i > 32177)
        return num_too_big();
    struct num x = {.big = true};
    mpz_init(x.z);
    mpz_fac_ui(x.z, (unsigned long)v[0].i);
    return num_finish(&x, a, ret);
}

/* ---- rows ---- */

#define N OID_NUMERIC

static const struct func rows[] = {
    BINARY("+", N, N, N, "numeric_add", numeric_add),
    BINARY("-", N, N, N, "numeric_sub", numeric_sub),
    BINARY("*", N, N, N, "numeric_mul", numeric_mul),
    BINARY("/", N, N, N, "numeric_div", numeric_div),
    BINARY("%", N, N, N, "numeric_mod", numeric_mod),
    BINARY("^", N, N, N, "numeric_power", numeric_power),
    PREFIX("-", N, N, "numeric_neg", numeric_neg),
    PREFIX_EMIT("+", N, N, "$1", numeric_same),
    PREFIX("@", N, N, "numeric_abs", numeric_abs),
    SCALAR1("abs", N, N, "numeric_abs", numeric_abs),
    SCALAR2("mod", N, N, N, "numeric_mod", numeric_mod),
    SCALAR2("div", N, N, N, "numeric_div_trunc", numeric_div_trunc),
    SCALAR2("gcd", N, N, N, "numeric_gcd", numeric_gcd),
    SCALAR2("lcm", N, N, N, "numeric_lcm", numeric_lcm),
    SCALAR1("round", N, N, "numeric_round", numeric_round),
    SCALAR2("round", N, OID_INT4, N, "numeric_round_to", numeric_round),
    SCALAR1("trunc", N, N, "numeric_trunc", numeric_trunc),
    SCALAR2("trunc", N, OID_INT4, N, "numeric_trunc_to", numeric_trunc),
    SCALAR1("ceil", N, N, "numeric_ceil", numeric_ceil),
    SCALAR1("ceiling", N, N, "numeric_ceil", numeric_ceil),
    SCALAR1("floor", N, N, "numeric_floor", numeric_floor),
    SCALAR1("sign", N, N, "numeric_sign", numeric_sign),
    SCALAR1("scale", N, OID_INT4, "numeric_scale", numeric_scale),
    SCALAR1("min_scale", N, OID_INT4, "numeric_min_scale", numeric_min_scale),
    SCALAR1("trim_scale", N, N, "numeric_trim_scale", numeric_trim_scale),
    SCALAR1("sqrt", N, N, "numeric_sqrt", numeric_sqrt),
    SCALAR2("power", N, N, N, "numeric_power", numeric_power),
    SCALAR2("pow", N, N, N, "numeric_power", numeric_power),
    SCALAR1("exp", N, N, "numeric_exp", numeric_exp),
    SCALAR1("ln", N, N, "numeric_ln", numeric_ln),
    SCALAR1("log", N, N, "numeric_log10", numeric_log10),
    SCALAR1("log10", N, N, "numeric_log10", numeric_log10),
    SCALAR2("log", N, N, N, "numeric_log", numeric_log),
    SCALAR1("factorial", OID_INT8, N, "numeric_factorial", numeric_factorial),
};

const struct func_rows types__numeric_funcs = {rows, ARRAY_LEN(rows)};
