/*
 * Text forms of float8 and float4: PostgreSQL's "shortest text that reads back as the same number".
 *
 * Most numbers that people store have few decimals; those are found with one multiplication
 * (print_easy). The rest is printed with growing precision until it reads back. PostgreSQL does not
 * accept a decimal that lies exactly half way between two doubles (a reader might round it either
 * way), hence exactly_between().
 */
#include "types/zone.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <gmp.h>
#include <math.h>
#include <stdio.h>
#include <strings.h>

int types__real_compare(double x, double y)
{
    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

struct error *types__float_overflow(void)
{
    return error_new(E_OUT_OF_RANGE, "value out of range: overflow");
}

struct error *types__float_underflow(void)
{
    return error_new(E_OUT_OF_RANGE, "value out of range: underflow");
}

/* ---- input ---- */

struct error *types__float_parse(const char *s, size_t n, bool is_float4, double *ret)
{
    const char *type = is_float4 ? "real" : "double precision", *start = s;
    size_t len = n;
    while (len && isspace((unsigned char)*start))
        start++, len--;
    while (len && isspace((unsigned char)start[len - 1]))
        len--;
    char local[64], *text = len < sizeof(local) ? local : mem_alloc(len + 1);
    memcpy(text, start, len);
    text[len] = 0;

    char *end; /* infinity and NaN: strtod() knows them by PostgreSQL's names, and -nan, nan(1),
                  0x1p3 */
    errno = 0;
    double v = is_float4 ? (double)strtof(text, &end) : strtod(text, &end);
    bool range = errno == ERANGE && (v == 0 || isinf(v));
    bool bad = len == 0 || end != text + len;
    size_t number = (size_t)(end - text); /* junk behind it is not told of then */
    if (text != local)
        mem_free(text);
    if (range)
        return error_new(E_OUT_OF_RANGE, "\"%.*s\" is out of range for type %s",
                         (int)MIN(is_float4 ? n : number, (size_t)1000), is_float4 ? s : start,
                         type);
    if (bad)
        return error_new(E_BAD_TEXT, "invalid input syntax for type %s: \"%.*s\"", type,
                         (int)MIN(n, 1000), s);
    *ret = v;
    return NULL;
}

/* ---- output ---- */

/* Writes digits (no trailing zeros) with value 0.d1d2d3.. * 10^(exponent + 1): plain where the
 * decimal exponent lies in [-4, plain_below), else with e+XX, as PostgreSQL does. */
static void write_digits(const char *digits, int n, int exponent, int plain_below, struct buf *out)
{
    if (exponent < -4 || exponent >= plain_below) {
        buf_append(out, digits, 1);
        if (n > 1) {
            buf_append(out, ".", 1);
            buf_append(out, digits + 1, (size_t)n - 1);
        }
        buf_printf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
    } else if (exponent < 0) {
        buf_append(out, "0.0000", (size_t)(1 - exponent));
        buf_append(out, digits, (size_t)n);
    } else if (n <= exponent + 1) {
        buf_append(out, digits, (size_t)n);
        for (int i = n; i < exponent + 1; i++)
            buf_append(out, "0", 1);
    } else {
        buf_append(out, digits, (size_t)exponent + 1);
        buf_append(out, ".", 1);
        buf_append(out, digits + exponent + 1, (size_t)(n - exponent - 1));
    }
}

/* The decimal digits * 10^(exponent - n + 1), exactly, minus (a + b) / 2: is it zero? */
static bool exactly_between(const char *digits, int n, int exponent, double a, double b)
{
    mpq_t decimal, middle, other;
    mpz_t power;
    mpq_inits(decimal, middle, other, NULL);
    mpz_init(power);
    mpz_set_str(mpq_numref(decimal), digits, 10);
    int shift = exponent - n + 1;
    mpz_ui_pow_ui(power, 10, (unsigned long)abs(shift));
    if (shift >= 0)
        mpz_mul(mpq_numref(decimal), mpq_numref(decimal), power);
    else
        mpz_set(mpq_denref(decimal), power);
    mpq_canonicalize(decimal);
    mpq_set_d(middle, a);
    mpq_set_d(other, b);
    mpq_add(middle, middle, other);
    mpq_div_2exp(middle, middle, 1);
    bool equal = mpq_equal(decimal, middle);
    mpq_clears(decimal, middle, other, NULL);
    mpz_clear(power);
    return equal;
}

/* Does the decimal read back as r, from strictly inside r's interval? */
static bool reads_back(const char *digits, int n, int exponent, double r, bool is_float4)
{
    char text[48];
    snprintf(text, sizeof(text), "%.1s.%se%d", digits, digits + 1, exponent);
    if (is_float4) {
        float f = (float)r, up = nextafterf(f, INFINITY), down = nextafterf(f, 0);
        if (strtof(text, NULL) != f)
            return false;
        double near = strtod(text, NULL);
        if (!isinf(up) && near == ((double)f + (double)up) / 2)
            return !exactly_between(digits, n, exponent, f, up);
        return near != ((double)f + (double)down) / 2 ||
               !exactly_between(digits, n, exponent, f, down);
    }
    if (strtod(text, NULL) != r)
        return false;
    long double near = strtold(text, NULL);
    double up = nextafter(r, INFINITY), down = nextafter(r, 0);
    if (!isinf(up) && near == ((long double)r + (long double)up) / 2)
        return !exactly_between(digits, n, exponent, r, up);
    return near != ((long double)r + (long double)down) / 2 ||
           !exactly_between(digits, n, exponent, r, down);
}

static int strip_zeros(char *digits, int n)
{
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = 0;
    return n;
}

/* The first n significant digits of r > 0, rounded; returns the decimal exponent. */
static int round_digits(double r, int n, char *digits)
{
    char text[48];
    snprintf(text, sizeof(text), "%.*e", n - 1, r); /* d.ddde+XX */
    digits[0] = text[0];
    if (n > 1)
        memcpy(digits + 1, text + 2, (size_t)n - 1);
    digits[n] = 0;
    return atoi(strchr(text, 'e') + 1);
}

/* The upper neighbour of an n-digit decimal; false when it needs another digit. */
static bool bump(char *digits, int n)
{
    int i = n - 1;
    while (i >= 0 && digits[i] == '9')
        digits[i--] = '0';
    if (i < 0)
        return false;
    digits[i]++;
    return true;
}

static void print_hard(double r, bool is_float4, int plain_below, struct buf *out)
{
    char digits[32];
    int most = is_float4 ? 9 : 17, exponent, unused;
    bool power_of_two = frexp(r, &unused) == 0.5;
    for (int n = is_float4 ? 6 : 15;; n++) {
        exponent = round_digits(r, n, digits);
        if (n == most || reads_back(digits, n, exponent, r, is_float4))
            break;
        /* below a power of two the interval is half as wide: the nearest decimal may miss it,
         * while the next one above lies inside */
        if (power_of_two && strtod(digits, NULL) > 0 && bump(digits, n) &&
            reads_back(digits, n, exponent, r, is_float4))
            break;
    }
    /* a subnormal may need fewer digits than its kind always has */
    int n = (int)strlen(digits);
    if (r < (is_float4 ? (double)FLT_MIN : DBL_MIN))
        for (int few = 1; few < n; few++) {
            char shorter[32];
            int e = round_digits(r, few, shorter);
            if (reads_back(shorter, few, e, r, is_float4)) {
                memcpy(digits, shorter, sizeof(shorter));
                exponent = e, n = few;
            }
        }
    write_digits(digits, strip_zeros(digits, n), exponent, plain_below, out);
}

/* r = m / 10^k with a small m is exact, when dividing gives r again: decimals of up to 15 digits
 * are all distinct as doubles. */
static bool print_easy(double r, struct buf *out)
{
    static const double powers[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};
    for (int k = 0; k < (int)ARRAY_LEN(powers); k++) {
        double scaled = r * powers[k];
        if (scaled >= 1e15 || scaled < 1)
            return false;
        int64_t m = (int64_t)(scaled + 0.5);
        if ((double)m / powers[k] != r)
            continue;
        char digits[24];
        int n = snprintf(digits, sizeof(digits), "%lld", (long long)m);
        write_digits(digits, strip_zeros(digits, n), n - 1 - k, 15, out);
        return true;
    }
    return false;
}

static bool print_simple(double r, struct buf *out)
{
    if (isnan(r)) {
        buf_puts(out, "NaN");
    } else if (isinf(r)) {
        buf_puts(out, r < 0 ? "-Infinity" : "Infinity");
    } else if (r == 0) {
        buf_puts(out, signbit(r) ? "-0" : "0");
    } else {
        return false;
    }
    return true;
}

void types__float8_print(double r, struct buf *out)
{
    if (print_simple(r, out))
        return;
    if (r < 0)
        buf_append(out, "-", 1);
    r = fabs(r);
    if (!print_easy(r, out))
        print_hard(r, false, 15, out);
}

/* printf() has PostgreSQL's form: the exponent has two digits at least. */
static bool print_rounded(double r, int digits, struct buf *out)
{
    int less = types__style()->less_digits;
    if (!less || !isfinite(r))
        return false;
    buf_printf(out, "%.*g", MAX(digits + 1 - less, 1), r);
    return true;
}

void types__float8_show(double r, struct buf *out)
{
    if (!print_rounded(r, DBL_DIG, out))
        types__float8_print(r, out);
}

static void print_float4(float r, struct buf *out)
{
    if (print_simple((double)r, out))
        return;
    if (r < 0)
        buf_append(out, "-", 1);
    r = fabsf(r);
    if (r == floorf(r) && r < 1e6F)
        types__int_print((int64_t)r, out);
    else
        print_hard((double)r, true, 6, out);
}

void types__float4_show(float r, struct buf *out)
{
    if (!print_rounded((double)r, FLT_DIG, out))
        print_float4(r, out);
}
