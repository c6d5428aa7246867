/*
 * numeric: exact decimals. In SQLite and in struct value a numeric is text ("-12.50"); here it is
 * read, worked on as a coefficient with a scale, and printed again.
 *
 * Invariants:
 * 1. Text that this file prints is canonical: no sign on zero, no leading zeros but one before the
 *    point, exactly `scale` digits behind it. Two equal numbers differ in trailing zeros at most,
 *    which is what types__numeric_canonical() relies on.
 * 2. Nothing exceeds PostgreSQL's limits (131,072 digits before the point, 16,383 behind), so that
 *    no input makes memory grow without bound: inputs are checked when read, results when finished.
 * 3. The fast path: up to 38 digits live in an __int128; what overflows moves on to GMP.
 * 4. What is not finite follows IEEE: num_add() and so on compute it with doubles (special()).
 */
#include "types/numeric.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

static const __int128 SMALL_LIMIT = (((__int128)1 << 126) - 1) / 10 * 10; /* > 8 * 10^37 */

static __int128 pow10_small(int n) /* n <= 36 */
{
    static const int64_t powers[] = {1,
                                     10,
                                     100,
                                     1000,
                                     10000,
                                     100000,
                                     1000000,
                                     10000000,
                                     100000000,
                                     1000000000,
                                     10000000000,
                                     100000000000,
                                     1000000000000,
                                     10000000000000,
                                     100000000000000,
                                     1000000000000000,
                                     10000000000000000,
                                     100000000000000000,
                                     1000000000000000000};
    return n <= 18 ? powers[n] : (__int128)powers[18] * powers[n - 18];
}

void num_pow10(mpz_t z, int power)
{
    mpz_ui_pow_ui(z, 10, (unsigned long)power);
}

static void set_wide(mpz_t z, __int128 i)
{
    unsigned __int128 u = i < 0 ? -(unsigned __int128)i : (unsigned __int128)i;
    uint64_t words[2] = {(uint64_t)u, (uint64_t)(u >> 64)};
    mpz_import(z, 2, -1, sizeof(uint64_t), 0, 0, words);
    if (i < 0)
        mpz_neg(z, z);
}

void num_grow(struct num *x)
{
    if (x->big)
        return;
    mpz_init(x->z);
    set_wide(x->z, x->small);
    x->big = true;
}

void num_done(struct num *x)
{
    if (x->big)
        mpz_clear(x->z);
    x->big = false;
}

void num_of_int(__int128 i, struct num *ret)
{
    *ret = (struct num){.small = i};
}

void num_copy(const struct num *x, struct num *ret)
{
    *ret = (struct num){.kind = x->kind, .scale = x->scale, .big = x->big, .small = x->small};
    if (x->big)
        mpz_init_set(ret->z, x->z);
}

struct error *num_too_big(void)
{
    return error_new(E_OUT_OF_RANGE, "value overflows numeric format");
}

struct error *num_division_by_zero(void)
{
    return error_new(E_DIVISION_BY_ZERO, "division by zero");
}

/* ---- reading ------------------------------------------------------------------------------ */

struct digits {
    const char *whole, *fraction; /* runs of digits */
    size_t n_whole, n_fraction;
    bool negative;
    long exponent;
};

/* Beyond this nothing behind it is looked at: it overflows. */
enum { MAX_EXPONENT = INT32_MAX / 2 };

static bool scan_exponent(const char *p, const char *end, long *ret)
{
    if (p == end) {
        *ret = 0;
        return true;
    }
    if (*p != 'e' && *p != 'E')
        return false;
    p++;
    while (p < end && isspace((unsigned char)*p)) /* as strtol() does */
        p++;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    long e = 0;
    const char *digits = p;
    for (; p < end && isdigit((unsigned char)*p); p++)
        e = MIN(e * 10 + (*p - '0'), (long)MAX_EXPONENT);
    *ret = negative ? -e : e;
    return p > digits && (p == end || e == MAX_EXPONENT);
}

static bool scan(const char *s, size_t n, struct digits *ret)
{
    struct digits d = {0};
    const char *p = s, *end = s + n;
    while (p < end && isspace((unsigned char)*p))
        p++;
    while (end > p && isspace((unsigned char)end[-1]))
        end--;
    if (p < end && (*p == '-' || *p == '+'))
        d.negative = *p++ == '-';
    d.whole = p;
    while (p < end && isdigit((unsigned char)*p))
        p++;
    d.n_whole = (size_t)(p - d.whole);
    if (p < end && *p == '.')
        p++;
    d.fraction = p;
    while (p < end && isdigit((unsigned char)*p))
        p++;
    d.n_fraction = (size_t)(p - d.fraction);
    if (d.n_whole + d.n_fraction == 0 || !scan_exponent(p, end, &d.exponent))
        return false;
    while (d.n_whole && *d.whole == '0')
        d.whole++, d.n_whole--;
    *ret = d;
    return true;
}

static bool scan_special(const char *s, size_t n, struct num *ret)
{
    static const struct {
        const char *word;
        enum num_kind kind;
    } words[] = {{"nan", NUM_NAN},
                 {"inf", NUM_PLUS_INFINITY},
                 {"+inf", NUM_PLUS_INFINITY},
                 {"-inf", NUM_MINUS_INFINITY},
                 {"infinity", NUM_PLUS_INFINITY},
                 {"+infinity", NUM_PLUS_INFINITY},
                 {"-infinity", NUM_MINUS_INFINITY}};
    while (n && isspace((unsigned char)*s))
        s++, n--;
    while (n && isspace((unsigned char)s[n - 1]))
        n--;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (n == strlen(words[i].word) && strncasecmp(s, words[i].word, n) == 0) {
            *ret = (struct num){.kind = words[i].kind};
            return true;
        }
    }
    return false;
}

static struct error *syntax_error(const char *s, size_t n)
{
    return error_new(E_BAD_TEXT, "invalid input syntax for type numeric: \"%.*s\"",
                     (int)MIN(n, 1000), s);
}

static void read_big(const struct digits *d, struct num *x)
{
    size_t n = d->n_whole + d->n_fraction;
    char *text = mem_alloc(n + 1);
    memcpy(text, d->whole, d->n_whole);
    memcpy(text + d->n_whole, d->fraction, d->n_fraction);
    text[n] = 0;
    mpz_init_set_str(x->z, text, 10);
    mem_free(text);
    if (d->negative)
        mpz_neg(x->z, x->z);
    x->big = true;
}

struct error *num_read(const char *s, size_t n, struct num *ret)
{
    struct digits d;
    if (!scan(s, n, &d))
        return scan_special(s, n, ret) ? NULL : syntax_error(s, n);
    long scale = (long)d.n_fraction - d.exponent;
    if (scale > NUM_MAX_SCALE || (long)d.n_whole + d.exponent > NUM_MAX_DIGITS)
        return num_too_big();
    struct num x = {0};
    if (d.n_whole + d.n_fraction < NUM_SMALL_DIGITS) {
        for (size_t i = 0; i < d.n_whole; i++)
            x.small = x.small * 10 + (d.whole[i] - '0');
        for (size_t i = 0; i < d.n_fraction; i++)
            x.small = x.small * 10 + (d.fraction[i] - '0');
        if (d.negative)
            x.small = -x.small;
    } else {
        read_big(&d, &x);
    }
    if (scale < 0) /* 1e3 is 1000 */
        num_rescale(&x, (int)-scale);
    x.scale = (int)MAX(scale, 0L);
    *ret = x;
    return NULL;
}

/* ---- printing ----------------------------------------------------------------------------- */

static void insert_point(const char *digits, size_t n, int scale, bool negative, struct buf *out)
{
    if (negative)
        buf_append(out, "-", 1);
    size_t whole = n > (size_t)scale ? n - (size_t)scale : 0;
    if (whole == 0)
        buf_append(out, "0", 1);
    buf_append(out, digits, whole);
    if (scale == 0)
        return;
    buf_append(out, ".", 1);
    for (size_t i = n; i < (size_t)scale; i++)
        buf_append(out, "0", 1);
    buf_append(out, digits + whole, n - whole);
}

void num_print(const struct num *x, struct buf *out)
{
    static const char *const words[] = {
        [NUM_NAN] = "NaN", [NUM_PLUS_INFINITY] = "Infinity", [NUM_MINUS_INFINITY] = "-Infinity"};
    if (x->kind) {
        buf_puts(out, words[x->kind]);
        return;
    }
    if (x->big) {
        char *digits = mpz_get_str(NULL, 10, x->z);
        bool negative = *digits == '-';
        size_t n = strlen(digits) - negative;
        if (n == 1 && digits[negative] == '0')
            n = 0; /* zero has no digits: 0.000 */
        insert_point(digits + negative, n, x->scale, negative, out);
        free(digits);
        return;
    }
    char digits[48], *end = digits + sizeof(digits), *p = end;
    unsigned __int128 u = x->small < 0 ? -(unsigned __int128)x->small : (unsigned __int128)x->small;
    while (u > UINT64_MAX) {
        uint64_t low = (uint64_t)(u % 1000000000000000000U);
        u /= 1000000000000000000U;
        for (int i = 0; i < 18; i++, low /= 10)
            *--p = (char)('0' + low % 10);
    }
    for (uint64_t low = (uint64_t)u; low; low /= 10)
        *--p = (char)('0' + low % 10);
    insert_point(p, (size_t)(end - p), x->scale, x->small < 0, out);
}

int num_exponent(const struct num *x)
{
    if (num_sign(x) == 0)
        return 0;
    int digits = 0;
    if (x->big) {
        char *text = mpz_get_str(NULL, 10, x->z);
        digits = (int)strlen(text) - (*text == '-');
        free(text);
    } else {
        unsigned __int128 u =
            x->small < 0 ? -(unsigned __int128)x->small : (unsigned __int128)x->small;
        for (; u; u /= 10)
            digits++;
    }
    return digits - 1 - x->scale;
}

/* Digits before the point, roughly: enough to hold the limit. */
static bool too_big(const struct num *x)
{
    long digits = x->big ? (long)mpz_sizeinbase(x->z, 10) - x->scale : 0; /* or one less */
    if (digits != NUM_MAX_DIGITS + 1)
        return digits > NUM_MAX_DIGITS;
    mpz_t limit;
    mpz_init(limit);
    num_pow10(limit, NUM_MAX_DIGITS + x->scale);
    bool beyond = mpz_cmpabs(x->z, limit) >= 0;
    mpz_clear(limit);
    return beyond;
}

struct error *num_finish(struct num *x, struct arena *a, struct value *ret)
{
    if (x->scale > NUM_MAX_SCALE)
        num_rescale(x, NUM_MAX_SCALE);
    if (too_big(x)) {
        num_done(x);
        return num_too_big();
    }
    struct buf text = {0};
    num_print(x, &text);
    *ret = types__text_of(a, &text);
    buf_done(&text);
    num_done(x);
    return NULL;
}

/* ---- arithmetic --------------------------------------------------------------------------- */

/* A double that stands for x where one of two operands is not finite: only its sign counts. */
static double stand_in(const struct num *x)
{
    double sign = num_sign(x);
    return x->kind == NUM_NAN ? (double)NAN : x->kind ? sign * (double)INFINITY : sign;
}

void num_of_special(double r, struct num *ret)
{
    *ret = (struct num){.kind = isnan(r)    ? NUM_NAN
                                : !isinf(r) ? NUM_FINITE
                                : r > 0     ? NUM_PLUS_INFINITY
                                            : NUM_MINUS_INFINITY};
    if (!ret->kind)
        ret->small = (__int128)r;
}

/* x := what IEEE says. A finite result is zero: of a division by an infinity. */
static void special(struct num *x, double r)
{
    num_done(x);
    num_of_special(r, x);
}

int num_sign(const struct num *x)
{
    if (x->kind)
        return x->kind == NUM_MINUS_INFINITY ? -1 : 1;
    return x->big ? mpz_sgn(x->z) : (x->small > 0) - (x->small < 0);
}

void num_negate(struct num *x)
{
    if (x->kind == NUM_PLUS_INFINITY || x->kind == NUM_MINUS_INFINITY)
        x->kind = x->kind == NUM_PLUS_INFINITY ? NUM_MINUS_INFINITY : NUM_PLUS_INFINITY;
    if (x->big)
        mpz_neg(x->z, x->z);
    else
        x->small = -x->small;
}

/* x * 10^by, exactly */
static void shift_up(struct num *x, int by)
{
    if (by == 0)
        return;
    if (!x->big && x->small == 0)
        return;
    __int128 magnitude = x->small < 0 ? -x->small : x->small;
    if (!x->big && by <= 36 && magnitude <= SMALL_LIMIT / pow10_small(by)) {
        x->small *= pow10_small(by);
        return;
    }
    num_grow(x);
    mpz_t factor;
    mpz_init(factor);
    num_pow10(factor, by);
    mpz_mul(x->z, x->z, factor);
    mpz_clear(factor);
}

/* x / 10^by, cut, or rounded half away from zero */
static void shift_down(struct num *x, int by, bool round)
{
    if (by == 0)
        return;
    if (!x->big && by <= 36) {
        __int128 divisor = pow10_small(by), rest = x->small % divisor;
        x->small /= divisor;
        if (round && (rest < 0 ? -rest : rest) >= divisor / 2)
            x->small += rest < 0 ? -1 : 1;
        return;
    }
    if (!x->big && by > NUM_SMALL_DIGITS + 1) { /* more digits than there are: far below 0.5 */
        x->small = 0;
        return;
    }
    num_grow(x);
    mpz_t divisor, rest;
    mpz_inits(divisor, rest, NULL);
    num_pow10(divisor, by);
    int sign = mpz_sgn(x->z);
    mpz_tdiv_qr(x->z, rest, x->z, divisor);
    mpz_mul_2exp(rest, rest, 1);
    if (round && mpz_cmpabs(rest, divisor) >= 0) {
        if (sign < 0)
            mpz_sub_ui(x->z, x->z, 1);
        else
            mpz_add_ui(x->z, x->z, 1);
    }
    mpz_clears(divisor, rest, NULL);
}

void num_rescale(struct num *x, int scale)
{
    if (scale >= x->scale)
        shift_up(x, scale - x->scale);
    else
        shift_down(x, x->scale - scale, true);
    x->scale = scale;
}

void num_truncate(struct num *x, int scale)
{
    if (scale >= x->scale)
        shift_up(x, scale - x->scale);
    else
        shift_down(x, x->scale - scale, false);
    x->scale = scale;
}

/* Brings x and a copy of y to one scale and one representation. */
static void align(struct num *x, const struct num *y, struct num *ret_y)
{
    num_copy(y, ret_y);
    int scale = MAX(x->scale, y->scale);
    num_rescale(x, scale);
    num_rescale(ret_y, scale);
    if (x->big != ret_y->big) {
        num_grow(x);
        num_grow(ret_y);
    }
}

void num_add(struct num *x, const struct num *y)
{
    if (x->kind || y->kind) {
        special(x, stand_in(x) + stand_in(y));
        return;
    }
    struct num other;
    align(x, y, &other);
    __int128 sum;
    if (!x->big && !__builtin_add_overflow(x->small, other.small, &sum) && sum < SMALL_LIMIT &&
        sum > -SMALL_LIMIT) {
        x->small = sum;
        return;
    }
    num_grow(x);
    num_grow(&other);
    mpz_add(x->z, x->z, other.z);
    num_done(&other);
}

void num_sub(struct num *x, const struct num *y)
{
    struct num other;
    num_copy(y, &other);
    num_negate(&other);
    num_add(x, &other);
    num_done(&other);
}

static bool fits_64(const struct num *x)
{
    return !x->big && x->small >= INT64_MIN / 2 && x->small <= INT64_MAX / 2;
}

void num_mul(struct num *x, const struct num *y)
{
    if (x->kind || y->kind) {
        special(x, stand_in(x) * stand_in(y));
        return;
    }
    if (fits_64(x) && fits_64(y)) {
        x->small *= y->small;
    } else {
        struct num other;
        num_copy(y, &other);
        num_grow(x);
        num_grow(&other);
        mpz_mul(x->z, x->z, other.z);
        num_done(&other);
    }
    x->scale += y->scale;
}

static void divide_big(struct num *x, const struct num *y, bool round)
{
    struct num divisor;
    num_copy(y, &divisor);
    num_grow(&divisor);
    num_grow(x);
    int sign = mpz_sgn(x->z) * mpz_sgn(divisor.z);
    mpz_t rest;
    mpz_init(rest);
    mpz_tdiv_qr(x->z, rest, x->z, divisor.z);
    mpz_mul_2exp(rest, rest, 1);
    if (round && mpz_cmpabs(rest, divisor.z) >= 0) {
        if (sign < 0)
            mpz_sub_ui(x->z, x->z, 1);
        else
            mpz_add_ui(x->z, x->z, 1);
    }
    mpz_clear(rest);
    num_done(&divisor);
}

void num_div(struct num *x, const struct num *y, int scale, bool round)
{
    if (x->kind || y->kind) {
        special(x, stand_in(x) / stand_in(y));
        return;
    }
    /* x.c / 10^x.s / (y.c / 10^y.s) * 10^scale = x.c * 10^(scale - x.s + y.s) / y.c */
    int shift = scale - x->scale + y->scale;
    struct num divisor;
    num_copy(y, &divisor);
    if (shift >= 0)
        shift_up(x, shift);
    else
        shift_up(&divisor, -shift);
    if (!x->big && !divisor.big) {
        __int128 quotient = x->small / divisor.small, rest = x->small % divisor.small;
        __int128 d = divisor.small < 0 ? -divisor.small : divisor.small;
        if (round && (rest < 0 ? -rest : rest) >= d - d / 2)
            quotient += (x->small < 0) == (divisor.small < 0) ? 1 : -1;
        x->small = quotient;
    } else {
        divide_big(x, &divisor, round);
    }
    num_done(&divisor);
    x->scale = scale;
}

/* The weight (power of 10^4) and the value of the first base-10^4 digit, PostgreSQL's own base. */
static void first_digit(const struct num *x, int *ret_weight, int *ret_digit)
{
    *ret_weight = *ret_digit = 0;
    if (num_sign(x) == 0)
        return;
    int exponent = num_exponent(x);
    *ret_weight = exponent >= 0 ? exponent / 4 : -((3 - exponent) / 4);
    /* the digits from the first one down to the power 4 * weight */
    struct num top;
    num_copy(x, &top);
    int drop = top.scale + 4 * *ret_weight; /* digits below that power */
    if (drop >= 0)
        shift_down(&top, drop, false);
    else
        shift_up(&top, -drop);
    *ret_digit = top.big ? abs((int)mpz_get_si(top.z)) : abs((int)top.small);
    num_done(&top);
}

int num_div_scale(const struct num *x, const struct num *y)
{
    int weight_x, weight_y, digit_x, digit_y;
    first_digit(x, &weight_x, &digit_x);
    first_digit(y, &weight_y, &digit_y);
    int weight = weight_x - weight_y;
    if (digit_x <= digit_y)
        weight--;
    int scale = NUM_MIN_SIGNIFICANT - weight * 4;
    scale = MAX(scale, MAX(x->scale, y->scale));
    return MIN(MAX(scale, 0), NUM_MAX_RESULT_SCALE);
}

int num_compare(const struct num *x, const struct num *y)
{
    if (x->kind == NUM_NAN || y->kind == NUM_NAN)
        return (x->kind == NUM_NAN) - (y->kind == NUM_NAN);
    int sx = num_sign(x), sy = num_sign(y);
    if (sx != sy)
        return sx < sy ? -1 : 1;
    if (x->kind || y->kind)
        return x->kind && y->kind ? 0 : x->kind ? sx : -sy;
    if (!x->big && !y->big && x->scale == y->scale)
        return (x->small > y->small) - (x->small < y->small);
    struct num left, right;
    num_copy(x, &left);
    align(&left, y, &right);
    int order = left.big ? mpz_cmp(left.z, right.z)
                         : (left.small > right.small) - (left.small < right.small);
    num_done(&left);
    num_done(&right);
    return (order > 0) - (order < 0);
}
