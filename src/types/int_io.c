/* Text forms of integers: PostgreSQL's input functions for int2, int4, int8, oid. */
#include "types/types_int.h"

#include <ctype.h>

static const char *int_name(int size)
{
    return size == 2 ? "smallint" : size == 4 ? "integer" : "bigint";
}

static bool int_fits(int64_t i, int size)
{
    return size == 8 || (size == 4 ? i == (int32_t)i : i == (int16_t)i);
}

struct error *types__int_range(int64_t i, int size, int64_t *ret)
{
    if (!int_fits(i, size))
        return error_new(E_OUT_OF_RANGE, "%s out of range", int_name(size));
    *ret = i;
    return NULL;
}

struct error *types__int_parse(const char *s, size_t n, int size, int64_t *ret)
{
    const char *p = s, *end = s + n;
    while (p < end && isspace((unsigned char)*p))
        p++;
    while (end > p && isspace((unsigned char)end[-1]))
        end--;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    bool bad = p == end, overflow = false;
    int64_t v = 0; /* counted downwards: the negative range is the larger one */
    for (; p < end && !bad && !overflow; p++) { /* what is first wrong is told */
        bad = *p < '0' || *p > '9';
        overflow = !bad && (__builtin_mul_overflow(v, 10, &v) ||
                            __builtin_sub_overflow(v, *p - '0', &v) || !int_fits(v, size));
    }
    if (bad)
        return error_new(E_BAD_TEXT, "invalid input syntax for type %s: \"%.*s\"", int_name(size),
                         (int)MIN(n, 1000), s);
    if (!overflow && !negative)
        overflow = __builtin_sub_overflow(0, v, &v);
    if (overflow || !int_fits(v, size))
        return error_new(E_OUT_OF_RANGE, "value \"%.*s\" is out of range for type %s",
                         (int)MIN(n, 1000), s, int_name(size));
    *ret = v;
    return NULL;
}

void types__int_print(int64_t i, struct buf *out)
{
    char digits[24], *p = digits + sizeof(digits);
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    do {
        *--p = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    if (i < 0)
        *--p = '-';
    buf_append(out, p, (size_t)(digits + sizeof(digits) - p));
}
