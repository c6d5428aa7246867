/*
 * exp, ln, log and fractional powers of numeric. How many digits the result has is PostgreSQL's
 * rule: at least 16 significant ones, at least as many behind the point as the arguments have. The
 * digits themselves are MPFR's, computed with some to spare and rounded half away from zero.
 */
#include "types/numeric.h"

#include <math.h>
#include <mpfr.h>

enum { SPARE_DIGITS = 30, MAX_WEIGHT = 6000 };

static const double LOG10_E = 0.434294481903252; /* as PostgreSQL writes it */

/* ---- PostgreSQL's estimates, which hang on its groups of four digits ----------------------------
 */

struct groups {
    int first, second; /* second: -1: there is none */
    int weight;        /* the first one counts for 10000^weight */
};

static int group_at(const char *digits, int n, int at)
{
    int group = 0;
    for (int i = at; i < at + 4; i++)
        group = group * 10 + (i >= 0 && i < n ? digits[i] - '0' : 0);
    return group;
}

/* False: x is zero. */
static bool leading_groups(const struct num *x, struct groups *ret)
{
    struct num copy;
    num_copy(x, &copy);
    num_grow(&copy);
    mpz_abs(copy.z, copy.z);
    char *digits = mpz_get_str(NULL, 10, copy.z);
    int n = (int)strlen(digits), whole = n - x->scale; /* digits before the point */
    num_done(&copy);
    bool zero = n == 1 && *digits == '0';
    if (!zero) {
        int exponent = whole - 1; /* of the first digit */
        ret->weight = exponent >= 0 ? exponent / 4 : -((3 - exponent) / 4);
        int at = whole - 4 * (ret->weight + 1);
        ret->first = group_at(digits, n, at);
        ret->second = -1;
        for (int i = at + 4; i < n && ret->second < 0; i++) {
            if (i >= 0 && digits[i] != '0')
                ret->second = group_at(digits, n, at + 4);
        }
    }
    free(digits);
    return !zero;
}

static bool is_near_one(const struct num *x)
{
    const struct num low = {.scale = 1, .small = 9}, high = {.scale = 1, .small = 11};
    return num_compare(x, &low) >= 0 && num_compare(x, &high) <= 0;
}

/* The decimal exponent of ln(x), roughly. */
static int ln_weight(const struct num *x)
{
    struct groups g;
    if (num_sign(x) <= 0)
        return 0;
    if (is_near_one(x)) { /* ln(1 + d) is about d */
        struct num one, d;
        num_of_int(1, &one);
        num_copy(x, &d);
        num_sub(&d, &one);
        bool exactly = !leading_groups(&d, &g);
        num_done(&d);
        return exactly ? 0 : g.weight * 4 + (int)log10(g.first);
    }
    leading_groups(x, &g);
    int digits = g.first, weight = g.weight * 4;
    if (g.second >= 0) {
        digits = digits * 10000 + g.second;
        weight -= 4;
    }
    return (int)log10(fabs(log((double)digits) + weight * 2.302585092994046));
}

static int result_scale(int weight, int scale)
{
    return MIN(MAX(NUM_MIN_SIGNIFICANT - weight, MAX(scale, 0)), NUM_MAX_RESULT_SCALE);
}

/* ---- to MPFR and back ---------------------------------------------------------------------------
 */

static void to_float(const struct num *x, mpfr_t f)
{
    _cleanup_(buf_done) struct buf text = {0};
    num_print(x, &text);
    mpfr_set_str(f, text.data, 10, MPFR_RNDN);
}

static double to_double(const struct num *x)
{
    _cleanup_(buf_done) struct buf text = {0};
    num_print(x, &text);
    return strtod(text.data, NULL);
}

static mpfr_prec_t bits(int digits)
{
    return (mpfr_prec_t)((digits + SPARE_DIGITS) * 3.33) + 64;
}

/* x := f with `scale` digits behind the point */
static void from_float(mpfr_t f, int scale, struct num *x)
{
    mpz_t power;
    mpz_init(power);
    num_pow10(power, scale);
    mpfr_mul_z(f, f, power, MPFR_RNDN);
    mpz_clear(power);
    mpfr_round(f, f);
    num_done(x);
    *x = (struct num){.scale = scale, .big = true};
    mpz_init(x->z);
    mpfr_get_z(x->z, f, MPFR_RNDN);
}

/* ---- functions ----------------------------------------------------------------------------------
 */

static struct error *check_logarithm(const struct num *x)
{
    int sign = num_sign(x);
    if (sign > 0)
        return NULL;
    return error_new("2201E", "cannot take logarithm of %s", sign ? "a negative number" : "zero");
}

struct error *num_exp(struct num *x)
{
    if (x->kind) {
        if (x->kind == NUM_MINUS_INFINITY)
            num_of_int(0, x);
        return NULL;
    }
    double value = to_double(x);
    double weight = MIN(MAX(value * LOG10_E, -2000), 2000);
    int scale = result_scale((int)weight, x->scale);
    if (fabs(value) >= MAX_WEIGHT) {
        if (value > 0)
            return num_too_big();
        num_done(x);
        *x = (struct num){.scale = scale};
        return NULL;
    }
    mpfr_t f;
    mpfr_init2(f, bits((int)fabs(value) / 2 + 10 + scale));
    to_float(x, f);
    mpfr_exp(f, f, MPFR_RNDN);
    from_float(f, scale, x);
    mpfr_clear(f);
    mpfr_free_cache();
    return NULL;
}

struct error *num_ln(struct num *x)
{
    TRY(check_logarithm(x));
    if (x->kind)
        return NULL;
    int weight = ln_weight(x), scale = result_scale(weight, x->scale);
    mpfr_t f;
    mpfr_init2(f, bits(num_exponent(x) + 2 * x->scale + abs(weight) + scale));
    to_float(x, f);
    mpfr_log(f, f, MPFR_RNDN);
    from_float(f, scale, x);
    mpfr_clear(f);
    mpfr_free_cache();
    return NULL;
}

static struct error *special_log(struct num *x, const struct num *base)
{
    bool nan = x->kind == NUM_NAN || base->kind == NUM_NAN;
    if (!nan && num_sign(base) < 0)
        return check_logarithm(base);
    if (!nan && num_sign(x) < 0)
        return check_logarithm(x);
    if (!nan)
        TRY(check_logarithm(base));
    if (!nan)
        TRY(check_logarithm(x));
    num_done(x);
    num_of_special(nan || (x->kind && base->kind) ? NAN : base->kind ? 0 : INFINITY, x);
    return NULL;
}

/* x := the logarithm of x to `base` */
struct error *num_log(struct num *x, const struct num *base)
{
    if (x->kind || base->kind)
        return special_log(x, base);
    TRY(check_logarithm(base));
    TRY(check_logarithm(x));
    int weight = ln_weight(x) - ln_weight(base);
    int scale = result_scale(weight, MAX(x->scale, base->scale));
    mpfr_t f, g;
    mpfr_init2(f, bits(2 * (x->scale + base->scale) + num_exponent(x) + abs(weight) + scale + 40));
    mpfr_init2(g, mpfr_get_prec(f));
    to_float(x, f);
    to_float(base, g);
    mpfr_log(f, f, MPFR_RNDN);
    mpfr_log(g, g, MPFR_RNDN);
    bool one = mpfr_zero_p(g);
    if (!one) {
        mpfr_div(f, f, g, MPFR_RNDN);
        from_float(f, scale, x);
    }
    mpfr_clear(f);
    mpfr_clear(g);
    mpfr_free_cache();
    return one ? num_division_by_zero() : NULL;
}

/* About y ln(x), with as many digits as PostgreSQL has when it chooses the scale of x^y. */
static double rough_exponent(const struct num *x, const struct num *y)
{
    mpfr_t f, g;
    int digits = MAX(8 - ln_weight(x), 0);
    mpfr_init2(f, bits(2 * x->scale + num_exponent(x)));
    to_float(x, f);
    mpfr_log(f, f, MPFR_RNDN);
    if (digits >
        300) { /* a logarithm too small for a double, and an exponent that may be too large */
        mpfr_init2(g, 128);
        to_float(y, g);
        mpfr_mul(f, f, g, MPFR_RNDN);
        mpfr_clear(g);
    }
    double unit = pow(10, MIN(digits, 300)), value = mpfr_get_d(f, MPFR_RNDN);
    mpfr_clear(f);
    if (digits > 300)
        return value;
    value = round(value * unit) / unit * to_double(y);
    return round(value * unit) / unit;
}

/* x := x^y; x > 0. A `scale` < 0 is chosen here. */
static struct error *positive_power(struct num *x, const struct num *y, int scale)
{
    mpfr_t f, g;
    mpfr_init2(f, 128);
    mpfr_init2(g, 128);
    double value = rough_exponent(x, y); /* the result is e to this */
    double limit = scale < 0 ? 6020 : 2.31 * NUM_MAX_DIGITS;
    bool vanishes = value < -limit;
    if (vanishes && scale < 0)
        scale = NUM_MAX_RESULT_SCALE;
    if (value <= limit && !vanishes) {
        if (scale < 0)
            scale = result_scale((int)(value * LOG10_E), MAX(x->scale, y->scale));
        mpfr_prec_t precision = bits((int)fabs(value) / 2 + 2 * x->scale + y->scale + scale +
                                     num_exponent(x) + num_exponent(y) + 40);
        mpfr_set_prec(f, precision);
        mpfr_set_prec(g, precision);
        to_float(x, f);
        to_float(y, g);
        mpfr_log(f, f, MPFR_RNDN);
        mpfr_mul(f, f, g, MPFR_RNDN);
        mpfr_exp(f, f, MPFR_RNDN);
        from_float(f, scale, x);
    } else if (vanishes) {
        num_done(x);
        *x = (struct num){.scale = scale};
    }
    mpfr_clear(f);
    mpfr_clear(g);
    mpfr_free_cache();
    return value > limit ? num_too_big() : NULL;
}

struct error *num_power(struct num *x, const struct num *y, bool odd, int scale)
{
    if (num_sign(x) == 0) {
        num_done(x);
        *x = (struct num){.scale = NUM_MIN_SIGNIFICANT};
        return NULL;
    }
    bool negative = num_sign(x) < 0;
    if (negative)
        num_negate(x);
    TRY(positive_power(x, y, scale));
    if (negative && odd)
        num_negate(x);
    return NULL;
}
