/*
 * Integer arithmetic. SQLite's own +, - and * turn into floats where PostgreSQL reports 22003, and
 * its division by zero is NULL, so that these are functions. They are on the path of every
 * "balance = balance + $1": one overflow builtin and one range check each.
 *
 * PostgreSQL has each operator for every pair of int2, int4, int8; the result is the wider type, so
 * three C functions serve nine rows.
 */
#include "types/types_int.h"

#define DIVISION_BY_ZERO() error_new(E_DIVISION_BY_ZERO, "division by zero")

/* The range check is written out, since a call would cost as much as the addition. */
#define DEFINE_INT(T, SIZE, LOW, HIGH)                                                             \
    static CALL(T##_add)                                                                           \
    {                                                                                              \
        int64_t r;                                                                                 \
        if (__builtin_add_overflow(v[0].i, v[1].i, &r) || r < (LOW) || r > (HIGH))                 \
            return out_of_range(SIZE);                                                             \
        *ret = value_int(r);                                                                       \
        return NULL;                                                                               \
    }                                                                                              \
    static CALL(T##_sub)                                                                           \
    {                                                                                              \
        int64_t r;                                                                                 \
        if (__builtin_sub_overflow(v[0].i, v[1].i, &r) || r < (LOW) || r > (HIGH))                 \
            return out_of_range(SIZE);                                                             \
        *ret = value_int(r);                                                                       \
        return NULL;                                                                               \
    }                                                                                              \
    static CALL(T##_mul)                                                                           \
    {                                                                                              \
        int64_t r;                                                                                 \
        if (__builtin_mul_overflow(v[0].i, v[1].i, &r) || r < (LOW) || r > (HIGH))                 \
            return out_of_range(SIZE);                                                             \
        *ret = value_int(r);                                                                       \
        return NULL;                                                                               \
    }                                                                                              \
    static CALL(T##_div)                                                                           \
    {                                                                                              \
        if (v[1].i == 0)                                                                           \
            return DIVISION_BY_ZERO();                                                             \
        if (v[1].i == -1 && v[0].i == (LOW))                                                       \
            return out_of_range(SIZE);                                                             \
        *ret = value_int(v[0].i / v[1].i);                                                         \
        return NULL;                                                                               \
    }                                                                                              \
    static CALL(T##_neg)                                                                           \
    {                                                                                              \
        if (v[0].i == (LOW))                                                                       \
            return out_of_range(SIZE);                                                             \
        *ret = value_int(-v[0].i);                                                                 \
        return NULL;                                                                               \
    }                                                                                              \
    static CALL(T##_abs)                                                                           \
    {                                                                                              \
        if (v[0].i == (LOW))                                                                       \
            return out_of_range(SIZE);                                                             \
        *ret = value_int(v[0].i < 0 ? -v[0].i : v[0].i);                                           \
        return NULL;                                                                               \
    }

static struct error *out_of_range(int size)
{
    return error_new(E_OUT_OF_RANGE, "%s out of range",
                     size == 2   ? "smallint"
                     : size == 4 ? "integer"
                                 : "bigint");
}

DEFINE_INT(int2, 2, INT16_MIN, INT16_MAX)
DEFINE_INT(int4, 4, INT32_MIN, INT32_MAX)
DEFINE_INT(int8, 8, INT64_MIN, INT64_MAX)

static CALL(int_mod)
{
    if (v[1].i == 0)
        return DIVISION_BY_ZERO();
    *ret = value_int(v[1].i == -1 ? 0 : v[0].i % v[1].i); /* INT64_MIN % -1 traps */
    return NULL;
}

static CALL(int_same)
{
    *ret = v[0];
    return NULL;
}

/* ---- bits ---- */

static CALL(int_and)
{
    *ret = value_int(v[0].i & v[1].i);
    return NULL;
}

static CALL(int_or)
{
    *ret = value_int(v[0].i | v[1].i);
    return NULL;
}

static CALL(int_xor)
{
    *ret = value_int(v[0].i ^ v[1].i);
    return NULL;
}

static CALL(int_not)
{
    *ret = value_int(~v[0].i);
    return NULL;
}

/* Shift counts wrap at the width of the machine word, as on PostgreSQL's usual platforms. */
static CALL(int2_shl)
{
    *ret = value_int((int16_t)((uint32_t)v[0].i << (v[1].i & 31)));
    return NULL;
}

static CALL(int4_shl)
{
    *ret = value_int((int32_t)((uint32_t)v[0].i << (v[1].i & 31)));
    return NULL;
}

static CALL(int8_shl)
{
    *ret = value_int((int64_t)((uint64_t)v[0].i << (v[1].i & 63)));
    return NULL;
}

static CALL(int4_shr)
{
    *ret = value_int(v[0].i >> (v[1].i & 31));
    return NULL;
}

static CALL(int8_shr)
{
    *ret = value_int(v[0].i >> (v[1].i & 63));
    return NULL;
}

/* ---- functions ---- */

static uint64_t magnitude(int64_t i)
{
    return i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
}

static uint64_t gcd(uint64_t x, uint64_t y)
{
    while (y) {
        uint64_t rest = x % y;
        x = y;
        y = rest;
    }
    return x;
}

static CALL(int4_gcd)
{
    uint64_t g = gcd(magnitude(v[0].i), magnitude(v[1].i));
    if (g > INT32_MAX)
        return out_of_range(4);
    *ret = value_int((int64_t)g);
    return NULL;
}

static CALL(int8_gcd)
{
    uint64_t g = gcd(magnitude(v[0].i), magnitude(v[1].i));
    if (g > INT64_MAX)
        return out_of_range(8);
    *ret = value_int((int64_t)g);
    return NULL;
}

static struct error *lcm(const struct value *v, int size, uint64_t high, struct value *ret)
{
    uint64_t x = magnitude(v[0].i), y = magnitude(v[1].i), r = 0;
    if (x && y && (__builtin_mul_overflow(x / gcd(x, y), y, &r) || r > high))
        return out_of_range(size);
    *ret = value_int((int64_t)r);
    return NULL;
}

static CALL(int4_lcm)
{
    return lcm(v, 4, INT32_MAX, ret);
}

static CALL(int8_lcm)
{
    return lcm(v, 8, INT64_MAX, ret);
}

static CALL(int_to_hex4)
{
    char *p = arena_printf(a, "%x", (uint32_t)v[0].i);
    *ret = value_text(p, strlen(p));
    return NULL;
}

static CALL(int_to_hex8)
{
    char *p = arena_printf(a, "%llx", (unsigned long long)v[0].i);
    *ret = value_text(p, strlen(p));
    return NULL;
}

/* ---- rows ---- */

#define PAIRS(op, name)                                                                            \
    BINARY(op, OID_INT2, OID_INT2, OID_INT2, "int2_" #name, int2_##name),                          \
        BINARY(op, OID_INT2, OID_INT4, OID_INT4, "int4_" #name, int4_##name),                      \
        BINARY(op, OID_INT4, OID_INT2, OID_INT4, "int4_" #name, int4_##name),                      \
        BINARY(op, OID_INT4, OID_INT4, OID_INT4, "int4_" #name, int4_##name),                      \
        BINARY(op, OID_INT2, OID_INT8, OID_INT8, "int8_" #name, int8_##name),                      \
        BINARY(op, OID_INT8, OID_INT2, OID_INT8, "int8_" #name, int8_##name),                      \
        BINARY(op, OID_INT4, OID_INT8, OID_INT8, "int8_" #name, int8_##name),                      \
        BINARY(op, OID_INT8, OID_INT4, OID_INT8, "int8_" #name, int8_##name),                      \
        BINARY(op, OID_INT8, OID_INT8, OID_INT8, "int8_" #name, int8_##name)

#define SAME(op, e, fn)                                                                            \
    BINARY_EMIT(op, OID_INT2, OID_INT2, OID_INT2, e, fn),                                          \
        BINARY_EMIT(op, OID_INT4, OID_INT4, OID_INT4, e, fn),                                      \
        BINARY_EMIT(op, OID_INT8, OID_INT8, OID_INT8, e, fn)

#define EACH_PREFIX(op, name)                                                                      \
    PREFIX(op, OID_INT2, OID_INT2, "int2_" #name, int2_##name),                                    \
        PREFIX(op, OID_INT4, OID_INT4, "int4_" #name, int4_##name),                                \
        PREFIX(op, OID_INT8, OID_INT8, "int8_" #name, int8_##name)

#define EACH_PREFIX_EMIT(op, e, fn)                                                                \
    PREFIX_EMIT(op, OID_INT2, OID_INT2, e, fn), PREFIX_EMIT(op, OID_INT4, OID_INT4, e, fn),        \
        PREFIX_EMIT(op, OID_INT8, OID_INT8, e, fn)

static const struct func rows[] = {
    PAIRS("+", add),
    PAIRS("-", sub),
    PAIRS("*", mul),
    PAIRS("/", div),
    BINARY("%", OID_INT2, OID_INT2, OID_INT2, "int_mod", int_mod),
    BINARY("%", OID_INT4, OID_INT4, OID_INT4, "int_mod", int_mod),
    BINARY("%", OID_INT8, OID_INT8, OID_INT8, "int_mod", int_mod),
    SCALAR2("mod", OID_INT2, OID_INT2, OID_INT2, "int_mod", int_mod),
    SCALAR2("mod", OID_INT4, OID_INT4, OID_INT4, "int_mod", int_mod),
    SCALAR2("mod", OID_INT8, OID_INT8, OID_INT8, "int_mod", int_mod),
    EACH_PREFIX("-", neg),
    EACH_PREFIX("@", abs),
    EACH_PREFIX_EMIT("+", "$1", int_same),
    EACH_PREFIX_EMIT("~", "(~$1)", int_not),
    SAME("&", "($1 & $2)", int_and),
    SAME("|", "($1 | $2)", int_or),
    BINARY("#", OID_INT2, OID_INT2, OID_INT2, "int_xor", int_xor),
    BINARY("#", OID_INT4, OID_INT4, OID_INT4, "int_xor", int_xor),
    BINARY("#", OID_INT8, OID_INT8, OID_INT8, "int_xor", int_xor),
    BINARY("<<", OID_INT2, OID_INT4, OID_INT2, "int2_shl", int2_shl),
    BINARY("<<", OID_INT4, OID_INT4, OID_INT4, "int4_shl", int4_shl),
    BINARY("<<", OID_INT8, OID_INT4, OID_INT8, "int8_shl", int8_shl),
    BINARY(">>", OID_INT2, OID_INT4, OID_INT2, "int4_shr", int4_shr),
    BINARY(">>", OID_INT4, OID_INT4, OID_INT4, "int4_shr", int4_shr),
    BINARY(">>", OID_INT8, OID_INT4, OID_INT8, "int8_shr", int8_shr),
    SCALAR1("abs", OID_INT2, OID_INT2, "int2_abs", int2_abs),
    SCALAR1("abs", OID_INT4, OID_INT4, "int4_abs", int4_abs),
    SCALAR1("abs", OID_INT8, OID_INT8, "int8_abs", int8_abs),
    SCALAR2("gcd", OID_INT4, OID_INT4, OID_INT4, "int4_gcd", int4_gcd),
    SCALAR2("gcd", OID_INT8, OID_INT8, OID_INT8, "int8_gcd", int8_gcd),
    SCALAR2("lcm", OID_INT4, OID_INT4, OID_INT4, "int4_lcm", int4_lcm),
    SCALAR2("lcm", OID_INT8, OID_INT8, OID_INT8, "int8_lcm", int8_lcm),
    SCALAR1("to_hex", OID_INT4, OID_TEXT, "int4_to_hex", int_to_hex4),
    SCALAR1("to_hex", OID_INT8, OID_TEXT, "int8_to_hex", int_to_hex8),
};

const struct func_rows types__int_funcs = {rows, ARRAY_LEN(rows)};
