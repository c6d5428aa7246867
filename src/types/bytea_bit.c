/* Bits of a bytea, counted from the lowest one of the first byte; trimming bytes. */
#include "types/types_int.h"

static struct value bytes(const char *p, size_t n)
{
    return (struct value){.kind = VALUE_BLOB, .s = {p, n}};
}

static struct error *check_bit(const struct value *v)
{
    int64_t bits = (int64_t)v[0].s.n * 8;
    if (v[1].i >= 0 && v[1].i < bits)
        return NULL;
    return error_new("2202E", "index %lld out of valid range, 0..%lld", (long long)v[1].i,
                     (long long)bits - 1);
}

static CALL(bytea_get_bit)
{
    TRY(check_bit(v));
    *ret = value_int((unsigned char)v[0].s.p[v[1].i / 8] >> (v[1].i % 8) & 1);
    return NULL;
}

static CALL(bytea_set_bit)
{
    TRY(check_bit(v));
    if (v[2].i != 0 && v[2].i != 1)
        return error_new("22023", "new bit must be 0 or 1");
    char *p = arena_alloc(a, v[0].s.n);
    memcpy(p, v[0].s.p, v[0].s.n);
    int bit = 1 << (v[1].i % 8), byte = (unsigned char)p[v[1].i / 8];
    p[v[1].i / 8] = (char)(v[2].i ? byte | bit : byte & ~bit);
    *ret = bytes(p, v[0].s.n);
    return NULL;
}

static CALL(bytea_bit_count)
{
    int64_t count = 0;
    for (size_t i = 0; i < v->s.n; i++)
        count += __builtin_popcount((unsigned char)v->s.p[i]);
    *ret = value_int(count);
    return NULL;
}

static struct value trim(const struct value *v, bool left, bool right)
{
    const char *p = v[0].s.p;
    size_t n = v[0].s.n;
    for (; left && n && memchr(v[1].s.p, *p, v[1].s.n); p++)
        n--;
    while (right && n && memchr(v[1].s.p, p[n - 1], v[1].s.n))
        n--;
    return bytes(p, n);
}

static CALL(bytea_btrim)
{
    *ret = trim(v, true, true);
    return NULL;
}

static CALL(bytea_ltrim)
{
    *ret = trim(v, true, false);
    return NULL;
}

static CALL(bytea_rtrim)
{
    *ret = trim(v, false, true);
    return NULL;
}

#define B OID_BYTEA

static const struct func rows[] = {
    SCALAR2("get_bit", B, OID_INT8, OID_INT4, "bytea_get_bit", bytea_get_bit),
    SCALAR3("set_bit", B, OID_INT8, OID_INT4, B, "bytea_set_bit", bytea_set_bit),
    SCALAR1("bit_count", B, OID_INT8, "bytea_bit_count", bytea_bit_count),
    SCALAR2("btrim", B, B, B, "bytea_btrim", bytea_btrim),
    SCALAR2("ltrim", B, B, B, "bytea_ltrim", bytea_ltrim),
    SCALAR2("rtrim", B, B, B, "bytea_rtrim", bytea_rtrim),
};

const struct func_rows types__bit_funcs = {rows, ARRAY_LEN(rows)};
