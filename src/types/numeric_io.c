/* numeric as a type: its text and binary forms, its typmod, its order, conversions to ints. */
#include "types/numeric.h"

#include <ctype.h>

/* ---- text --------------------------------------------------------------------------------- */

static int typmod_precision(int32_t typmod)
{
    return ((typmod - 4) >> 16) & 0xffff;
}

/* The scale is an 11-bit signed number since PostgreSQL 15: numeric(3,-2) rounds to hundreds. */
static int typmod_scale(int32_t typmod)
{
    return (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
}

static struct error *fit(struct num *x, int32_t typmod)
{
    if (typmod < 4)
        return NULL;
    int precision = typmod_precision(typmod), scale = typmod_scale(typmod);
    if (x->kind == NUM_NAN)
        return NULL;
    if (x->kind)
        return error_detail(error_new(E_OUT_OF_RANGE, "numeric field overflow"),
                            "A field with precision %d, scale %d cannot hold an infinite value.",
                            precision, scale);
    if (scale < 0) {
        x->scale -= scale; /* as if the point stood further left, round there, and back */
        num_rescale(x, 0);
        num_rescale(x, -scale);
        x->scale = 0;
    } else {
        num_rescale(x, scale);
    }
    if (num_sign(x) == 0 || num_exponent(x) < precision - scale)
        return NULL;
    int whole = precision - scale;
    return error_detail(
        error_new(E_OUT_OF_RANGE, "numeric field overflow"),
        "A field with precision %d, scale %d must round to an absolute value less than %s%d.",
        precision, scale, whole ? "10^" : "", whole ? whole : 1);
}

struct error *types__numeric_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                   struct value *ret)
{
    struct num x;
    TRY(num_read(s, n, &x));
    struct error *e = fit(&x, typmod);
    if (e) {
        num_done(&x);
        return e;
    }
    return num_finish(&x, a, ret);
}

struct error *types__numeric_fit(struct value *v, int32_t typmod, struct arena *a)
{
    return typmod < 4 ? NULL : types__numeric_parse(v->s.p, v->s.n, typmod, a, v);
}

bool types__numeric_finite(const struct value *v)
{
    return !v->s.n || isdigit((unsigned char)v->s.p[v->s.n - 1]);
}

/* Text from this file differs between equal numbers only by zeros at the end of the fraction. Text
 * of another type that happens to look so only collides with its like, which a hash may. */
size_t types__numeric_canonical(const char *s, size_t n)
{
    if (n < 3 || s[n - 1] != '0')
        return n;
    size_t zeros = n;
    while (zeros && s[zeros - 1] == '0')
        zeros--;
    size_t point = zeros;
    while (point && s[point - 1] >= '0' && s[point - 1] <= '9')
        point--;
    if (!point || s[point - 1] != '.')
        return n;
    return zeros == point ? point - 1 : zeros; /* 5.00 is 5 */
}

/* ---- order -------------------------------------------------------------------------------- */

int types__numeric_compare(const struct value *x, const struct value *y)
{
    if (x->s.n == y->s.n && memcmp(x->s.p, y->s.p, x->s.n) == 0)
        return 0;
    struct num left, right;
    struct error *e = num_read(x->s.p, x->s.n, &left);
    bool left_ok = !e;
    if (!e)
        e = num_read(y->s.p, y->s.n, &right);
    if (e) { /* not written by us: any order will do, as long as it is one */
        error_free(e);
        if (left_ok)
            num_done(&left);
        int order = memcmp(x->s.p, y->s.p, MIN(x->s.n, y->s.n));
        return order ? order : (x->s.n > y->s.n) - (x->s.n < y->s.n);
    }
    int order = num_compare(&left, &right);
    num_done(&left);
    num_done(&right);
    return order;
}

/* ---- binary ------------------------------------------------------------------------------- */

enum {
    SIGN_POSITIVE = 0,
    SIGN_NEGATIVE = 0x4000,
    SIGN_NAN = 0xc000,
    SIGN_PLUS_INFINITY = 0xd000,
    SIGN_MINUS_INFINITY = 0xf000,
};

/*
 * int16 groups, int16 weight, uint16 sign, uint16 scale, then the groups: four decimal digits each,
 * the first counting for 10000^weight.
 */
void types__numeric_send(const struct value *v, struct buf *out)
{
    const char *s = v->s.p;
    size_t n = v->s.n;
    bool negative = n && *s == '-';
    if (negative)
        s++, n--;
    if (!types__numeric_finite(v)) {
        unsigned sign = *s == 'N' ? SIGN_NAN : negative ? SIGN_MINUS_INFINITY : SIGN_PLUS_INFINITY;
        buf_put32(out, 0);
        buf_put16(out, (uint16_t)sign);
        buf_put16(out, sign == SIGN_NAN ? 0 : 0x20); /* a scale that PostgreSQL happens to send */
        return;
    }
    const char *point = memchr(s, '.', n);
    size_t whole = point ? (size_t)(point - s) : n, scale = point ? n - whole - 1 : 0;
    /* pad to whole groups on both sides of the point */
    size_t lead = (4 - whole % 4) % 4, groups = (whole + lead) / 4 + (scale + 3) / 4;
    char *digits = mem_alloc(groups * 4);
    memset(digits, '0', groups * 4);
    memcpy(digits + lead, s, whole);
    if (scale)
        memcpy(digits + lead + whole, point + 1, scale);
    size_t first = 0, last = groups;
    while (first < last && memcmp(digits + first * 4, "0000", 4) == 0)
        first++;
    while (last > first && memcmp(digits + last * 4 - 4, "0000", 4) == 0)
        last--;
    int weight = first == last ? 0 : (int)((whole + lead) / 4) - 1 - (int)first;
    buf_put16(out, (uint16_t)(last - first));
    buf_put16(out, (uint16_t)weight);
    buf_put16(out, negative ? SIGN_NEGATIVE : SIGN_POSITIVE);
    buf_put16(out, (uint16_t)scale);
    for (size_t i = first; i < last; i++) {
        const char *d = digits + i * 4;
        buf_put16(out, (uint16_t)((d[0] - '0') * 1000 + (d[1] - '0') * 100 + (d[2] - '0') * 10 +
                                  (d[3] - '0')));
    }
    mem_free(digits);
}

static struct error *bad_numeric(const char *what)
{
    return error_new(E_BAD_BINARY, "invalid %s in external \"numeric\" value", what);
}

struct error *types__numeric_recv(const char *s, size_t n, int32_t typmod, struct arena *a,
                                  struct value *ret)
{
    struct reader r = reader_of(s, n);
    size_t groups = read16(&r);
    int weight = (int16_t)read16(&r);
    unsigned sign = read16(&r), scale = read16(&r);
    if (!reader_ok(&r) || reader_left(&r) != groups * 2)
        return error_new(E_BAD_BINARY, "incorrect binary data format");
    struct num x = {.kind = sign == SIGN_NAN              ? NUM_NAN
                            : sign == SIGN_PLUS_INFINITY  ? NUM_PLUS_INFINITY
                            : sign == SIGN_MINUS_INFINITY ? NUM_MINUS_INFINITY
                                                          : NUM_FINITE};
    if (x.kind) {
        TRY(fit(&x, typmod));
        return num_finish(&x, a, ret);
    }
    if (sign != SIGN_POSITIVE && sign != SIGN_NEGATIVE)
        return bad_numeric("sign");
    if (scale > NUM_MAX_SCALE)
        return bad_numeric("scale");
    _cleanup_(buf_done) struct buf text = {0};
    buf_puts(&text, sign == SIGN_NEGATIVE ? "-0" : "0");
    for (size_t i = 0; i < groups; i++) {
        unsigned digit = read16(&r);
        if (digit > 9999)
            return bad_numeric("digit");
        buf_printf(&text, "%04u", digit);
    }
    /* groups end where they like; digits behind the declared scale are cut off */
    int behind = 4 * ((int)groups - weight - 1), cut = MAX(behind - (int)scale, 0);
    text.len -= MIN((size_t)cut, groups * 4);
    buf_printf(&text, "e%d", cut - behind);
    TRY(num_read(text.data, text.len, &x));
    num_truncate(&x, (int)scale);
    struct error *e = fit(&x, typmod);
    if (e) {
        num_done(&x);
        return e;
    }
    return num_finish(&x, a, ret);
}

/* ---- ints --------------------------------------------------------------------------------- */

void types__numeric_of_wide(__int128 i, struct arena *a, struct value *ret)
{
    struct num x;
    num_of_int(i, &x);
    _cleanup_(buf_done) struct buf text = {0};
    num_print(&x, &text);
    *ret = types__text_of(a, &text);
}

struct error *types__numeric_to_int(const struct value *v, int size, int64_t *ret)
{
    struct num x;
    static const char *const names[] = {[2] = "smallint", [4] = "integer", [8] = "bigint"};
    TRY(num_read(v->s.p, v->s.n, &x));
    if (x.kind)
        return error_new(E_UNSUPPORTED, "cannot convert %s to %s",
                         x.kind == NUM_NAN ? "NaN" : "infinity", names[size]);
    num_rescale(&x, 0);
    bool fits = x.big ? mpz_fits_slong_p(x.z) != 0 : x.small >= INT64_MIN && x.small <= INT64_MAX;
    int64_t i = !fits ? 0 : x.big ? mpz_get_si(x.z) : (int64_t)x.small;
    num_done(&x);
    if (!fits)
        return error_new(E_OUT_OF_RANGE, "%s out of range", names[size]);
    return types__int_range(i, size, ret);
}

struct error *types__numeric_avg(__int128 sum, uint64_t count, struct arena *a, struct value *ret)
{
    struct num x, y;
    num_of_int(sum, &x);
    num_of_int((__int128)count, &y);
    num_div(&x, &y, num_div_scale(&x, &y), true);
    return num_finish(&x, a, ret);
}
