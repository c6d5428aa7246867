/*
 * money: a number of cents, as in the locale C: "-$1,234.50". SQLite holds the integer.
 */
#include "types/numeric.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

enum { CENTS = 100, PLACES = 2 };

static struct error *out_of_range(void)
{
    return error_new(E_OUT_OF_RANGE, "money out of range");
}

/* ---- text ------------------------------------------------------------------------------------ */

struct scan {
    const char *p, *end;
    bool negative, overflow;
    int64_t value; /* below 0, for there are more of them */
    int decimals;
};

static void skip(struct scan *c, bool currency)
{
    while (c->p < c->end && isspace((unsigned char)*c->p))
        c->p++;
    if (!currency || c->p == c->end || *c->p != '$')
        return;
    c->p++;
    skip(c, false);
}

static void add_digit(struct scan *c, int digit)
{
    c->overflow |= __builtin_mul_overflow(c->value, 10, &c->value) ||
                   __builtin_sub_overflow(c->value, digit, &c->value);
}

static void take_digits(struct scan *c)
{
    bool point = false;
    for (; c->p < c->end; c->p++) {
        if (isdigit((unsigned char)*c->p) && (!point || c->decimals < PLACES)) {
            add_digit(c, *c->p - '0');
            c->decimals += point;
        } else if (*c->p == '.' && !point) {
            point = true;
        } else if (*c->p != ',') {
            break;
        }
    }
    bool up = c->p < c->end && *c->p >= '5' && *c->p <= '9';
    if (up && c->decimals == PLACES)
        c->overflow |= __builtin_sub_overflow(c->value, 1, &c->value);
    for (; c->decimals < PLACES; c->decimals++)
        add_digit(c, 0);
    while (c->p < c->end && isdigit((unsigned char)*c->p))
        c->p++;
}

static struct error *too_big(const char *s, size_t n)
{
    return error_new(E_OUT_OF_RANGE, "value \"%.*s\" is out of range for type money",
                     (int)MIN(n, 1000), s);
}

struct error *types__money_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                 struct value *ret)
{
    struct scan c = {.p = s, .end = s + n};
    skip(&c, true);
    if (c.p < c.end && strchr("-(+", *c.p) && *c.p)
        c.negative = *c.p++ != '+';
    skip(&c, true);
    take_digits(&c);
    if (c.overflow) /* whatever is behind it */
        return too_big(s, n);
    for (; c.p < c.end && (isspace((unsigned char)*c.p) || (*c.p && strchr(")-+$", *c.p))); c.p++)
        c.negative |= *c.p == '-';
    if (c.p < c.end)
        return error_new(E_BAD_TEXT, "invalid input syntax for type money: \"%.*s\"",
                         (int)MIN(n, 1000), s);
    if (!c.negative && c.value == INT64_MIN)
        return too_big(s, n);
    *ret = value_int(c.negative ? c.value : -c.value);
    return NULL;
}

void types__money_print(const struct value *v, int32_t typmod, struct buf *out)
{
    char digits[24];
    uint64_t cents = v->i < 0 ? -(uint64_t)v->i : (uint64_t)v->i;
    int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)(cents / CENTS));
    buf_puts(out, v->i < 0 ? "-$" : "$");
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            buf_puts(out, ",");
        buf_append(out, &digits[i], 1);
    }
    buf_printf(out, ".%02d", (int)(cents % CENTS));
}

/* ---- arithmetic -------------------------------------------------------------------------------
 */

static CALL(money_plus)
{
    ret->kind = VALUE_INT;
    return __builtin_add_overflow(v[0].i, v[1].i, &ret->i) ? out_of_range() : NULL;
}

static CALL(money_minus)
{
    ret->kind = VALUE_INT;
    return __builtin_sub_overflow(v[0].i, v[1].i, &ret->i) ? out_of_range() : NULL;
}

static CALL(money_times)
{
    ret->kind = VALUE_INT;
    return __builtin_mul_overflow(v[0].i, v[1].i, &ret->i) ? out_of_range() : NULL;
}

static CALL(money_over)
{
    if (v[1].i == 0)
        return error_new(E_DIVISION_BY_ZERO, "division by zero");
    if (v[0].i == INT64_MIN && v[1].i == -1)
        return out_of_range();
    *ret = value_int(v[0].i / v[1].i);
    return NULL;
}

/* The result of an operation on x and y as doubles, which can fail as theirs does. */
static struct error *rounded(double r, double x, double y, struct value *ret)
{
    if (isinf(r) && !isinf(x) && !isinf(y))
        return types__float_overflow();
    if (r == 0 && x != 0 && y != 0 && !isinf(y))
        return types__float_underflow();
    r = rint(r);
    if (!(r >= -0x1p63 && r < 0x1p63))
        return out_of_range();
    *ret = value_int((int64_t)r);
    return NULL;
}

static CALL(money_times_float)
{
    return rounded((double)v[0].i * v[1].r, (double)v[0].i, v[1].r, ret);
}

static CALL(float_times_money)
{
    return rounded(v[0].r * (double)v[1].i, v[0].r, (double)v[1].i, ret);
}

static CALL(money_over_float)
{
    if (v[1].r == 0)
        return error_new(E_DIVISION_BY_ZERO, "division by zero");
    return rounded((double)v[0].i / v[1].r, (double)v[0].i, v[1].r, ret);
}

static CALL(money_ratio)
{
    if (v[1].i == 0)
        return error_new(E_DIVISION_BY_ZERO, "division by zero");
    *ret = value_real((double)v[0].i / (double)v[1].i);
    return NULL;
}

/* ---- casts -------------------------------------------------------------------------------------
 */

CALL(types__int_to_money)
{
    ret->kind = VALUE_INT;
    return __builtin_mul_overflow(v[0].i, CENTS, &ret->i)
               ? error_new(E_OUT_OF_RANGE, "bigint out of range")
               : NULL;
}

CALL(types__numeric_to_money)
{
    struct num x, cents;
    struct value product;
    int64_t i = 0;
    TRY(num_read(v->s.p, v->s.n, &x));
    num_of_int(CENTS, &cents);
    num_mul(&x, &cents);
    TRY(num_finish(&x, a, &product));
    TRY(types__numeric_to_int(&product, 8, &i));
    *ret = value_int(i);
    return NULL;
}

CALL(types__money_to_numeric)
{
    struct num x;
    num_of_int(v->i, &x);
    x.scale = PLACES;
    return num_finish(&x, a, ret);
}

/* ---- sum
 * ----------------------------------------------------------------------------------------- */

static void init(struct agg_state *s)
{
    *s = (struct agg_state){0};
}

static struct error *step(struct agg_state *s, const struct value *v, int n)
{
    s->count++;
    return __builtin_add_overflow(s->i, v->i, &s->i) ? out_of_range() : NULL;
}

static struct error *merge(struct agg_state *s, const struct agg_state *from)
{
    s->count += from->count;
    return __builtin_add_overflow(s->i, from->i, &s->i) ? out_of_range() : NULL;
}

static struct error * final(struct agg_state *s, struct arena *a, struct value *ret)
{
    *ret = s->count ? value_int(s->i) : (struct value){.kind = VALUE_NULL};
    return NULL;
}

static const struct agg sum_agg = {init, step, merge, final, NULL};

/* ---- rows
 * ------------------------------------------------------------------------------------------ */

#define M OID_MONEY
#define INTEGER(type)                                                                              \
    BINARY("*", M, type, M, "money_times", money_times),                                           \
        BINARY("*", type, M, M, "money_times", money_times),                                       \
        BINARY("/", M, type, M, "money_over", money_over)
#define FLOAT(type)                                                                                \
    BINARY("*", M, type, M, "money_times_float", money_times_float),                               \
        BINARY("*", type, M, M, "float_times_money", float_times_money),                           \
        BINARY("/", M, type, M, "money_over_float", money_over_float)

static const struct func rows[] = {
    BINARY("+", M, M, M, "money_plus", money_plus),
    BINARY("-", M, M, M, "money_minus", money_minus),
    BINARY("/", M, M, OID_FLOAT8, "money_ratio", money_ratio),
    INTEGER(OID_INT2),
    INTEGER(OID_INT4),
    INTEGER(OID_INT8),
    FLOAT(OID_FLOAT4),
    FLOAT(OID_FLOAT8),
    {.name = "sum",
     .kind = FUNC_AGGREGATE,
     .nargs = 1,
     .args = {M},
     .result = M,
     .strict = true,
     .sqlite_name = "money_sum",
     .over_emit = "money_sum_over($1)",
     .agg = &sum_agg},
};

const struct func_rows types__money_funcs = {rows, ARRAY_LEN(rows)};
