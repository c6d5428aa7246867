/* Arithmetic of float4 and float8: PostgreSQL reports overflow, underflow and division by zero. */
#include "types/types_int.h"

#include <math.h>

/* `r` came out of what may be infinite. */
static struct error *finish(double r, bool inf_in, struct value *ret)
{
    if (isinf(r) && !inf_in)
        return types__float_overflow();
    *ret = value_real(r);
    return NULL;
}

static bool any_inf(const struct value *v)
{
    return isinf(v[0].r) || isinf(v[1].r);
}

static CALL(float8_add)
{
    return finish(v[0].r + v[1].r, any_inf(v), ret);
}

static CALL(float8_sub)
{
    return finish(v[0].r - v[1].r, any_inf(v), ret);
}

static CALL(float8_mul)
{
    double r = v[0].r * v[1].r;
    if (r == 0 && v[0].r != 0 && v[1].r != 0)
        return types__float_underflow();
    return finish(r, any_inf(v), ret);
}

static CALL(float8_div)
{
    if (v[1].r == 0 && !isnan(v[0].r))
        return error_new(E_DIVISION_BY_ZERO, "division by zero");
    double r = v[0].r / v[1].r;
    if (r == 0 && v[0].r != 0 && !isinf(v[1].r))
        return types__float_underflow();
    return finish(r, isinf(v[0].r), ret);
}

static CALL(float4_add)
{
    return finish((double)((float)v[0].r + (float)v[1].r), any_inf(v), ret);
}

static CALL(float4_sub)
{
    return finish((double)((float)v[0].r - (float)v[1].r), any_inf(v), ret);
}

static CALL(float4_mul)
{
    float r = (float)v[0].r * (float)v[1].r;
    if (r == 0 && v[0].r != 0 && v[1].r != 0)
        return types__float_underflow();
    return finish((double)r, any_inf(v), ret);
}

static CALL(float4_div)
{
    if (v[1].r == 0 && !isnan(v[0].r))
        return error_new(E_DIVISION_BY_ZERO, "division by zero");
    float r = (float)v[0].r / (float)v[1].r;
    if (r == 0 && v[0].r != 0 && !isinf(v[1].r))
        return types__float_underflow();
    return finish((double)r, isinf(v[0].r), ret);
}

static CALL(float_neg)
{
    *ret = value_real(-v[0].r);
    return NULL;
}

static CALL(float_same)
{
    *ret = v[0];
    return NULL;
}

static CALL(float_abs)
{
    *ret = value_real(fabs(v[0].r));
    return NULL;
}

#define FLOATS(op, name)                                                                           \
    BINARY(op, OID_FLOAT4, OID_FLOAT4, OID_FLOAT4, "float4_" #name, float4_##name),                \
        BINARY(op, OID_FLOAT4, OID_FLOAT8, OID_FLOAT8, "float8_" #name, float8_##name),            \
        BINARY(op, OID_FLOAT8, OID_FLOAT4, OID_FLOAT8, "float8_" #name, float8_##name),            \
        BINARY(op, OID_FLOAT8, OID_FLOAT8, OID_FLOAT8, "float8_" #name, float8_##name)

static const struct func rows[] = {
    FLOATS("+", add),
    FLOATS("-", sub),
    FLOATS("*", mul),
    FLOATS("/", div),
    PREFIX("-", OID_FLOAT4, OID_FLOAT4, "float_neg", float_neg),
    PREFIX("-", OID_FLOAT8, OID_FLOAT8, "float_neg", float_neg),
    PREFIX_EMIT("+", OID_FLOAT4, OID_FLOAT4, "$1", float_same),
    PREFIX_EMIT("+", OID_FLOAT8, OID_FLOAT8, "$1", float_same),
    PREFIX("@", OID_FLOAT4, OID_FLOAT4, "float_abs", float_abs),
    PREFIX("@", OID_FLOAT8, OID_FLOAT8, "float_abs", float_abs),
    SCALAR1("abs", OID_FLOAT4, OID_FLOAT4, "float_abs", float_abs),
    SCALAR1("abs", OID_FLOAT8, OID_FLOAT8, "float_abs", float_abs),
};

const struct func_rows types__float_funcs = {rows, ARRAY_LEN(rows)};
