/*
 * Casts: pg_cast's rows for the types that exist, and the I/O casts that PostgreSQL makes for every
 * type (to text on assignment, from text when written out). A cast whose function is NULL changes
 * nothing in what SQLite holds.
 */
#include "types/types_int.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>

/* ---- between numbers ---- */

static CALL(int_to_int2)
{
    int64_t i = 0;
    TRY(types__int_range(v->i, 2, &i));
    *ret = value_int(i);
    return NULL;
}

static CALL(int_to_int4)
{
    int64_t i = 0;
    TRY(types__int_range(v->i, 4, &i));
    *ret = value_int(i);
    return NULL;
}

static CALL(int_to_float8)
{
    *ret = value_real((double)v->i);
    return NULL;
}

static CALL(int_to_float4)
{
    *ret = value_real((double)(float)v->i);
    return NULL;
}

static CALL(int_to_text)
{
    struct buf text = {0};
    types__int_print(v->i, &text);
    *ret = types__text_of(a, &text);
    buf_done(&text);
    return NULL;
}

/* rint: halves go to the even neighbour, unlike numeric's */
static struct error *float_to_int(double r, int size, struct value *ret)
{
    double limit = size == 8 ? 9223372036854775808.0 : size == 4 ? 2147483648.0 : 32768.0;
    r = rint(r);
    if (!(r >= -limit && r < limit))
        return error_new(E_OUT_OF_RANGE, "%s out of range",
                         size == 2   ? "smallint"
                         : size == 4 ? "integer"
                                     : "bigint");
    *ret = value_int((int64_t)r);
    return NULL;
}

static CALL(float_to_int2)
{
    return float_to_int(v->r, 2, ret);
}

static CALL(float_to_int4)
{
    return float_to_int(v->r, 4, ret);
}

static CALL(float_to_int8)
{
    return float_to_int(v->r, 8, ret);
}

static CALL(float8_to_float4)
{
    struct value r = *v;
    TRY(type_coerce(type_by_oid(OID_FLOAT4), -1, &r, a));
    *ret = r;
    return NULL;
}

static struct error *float_to_numeric(double r, int digits, struct arena *a, struct value *ret)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "%.*g", digits, isnan(r) ? fabs(r) : r);
    return types__numeric_parse(text, (size_t)len, -1, a, ret);
}

static CALL(float8_to_numeric)
{
    return float_to_numeric(v->r, 15, a, ret);
}

static CALL(float4_to_numeric)
{
    return float_to_numeric(v->r, 6, a, ret);
}

static struct error *numeric_to_int(const struct value *v, int size, struct value *ret)
{
    int64_t i = 0;
    TRY(types__numeric_to_int(v, size, &i));
    *ret = value_int(i);
    return NULL;
}

static CALL(numeric_to_int2)
{
    return numeric_to_int(v, 2, ret);
}

static CALL(numeric_to_int4)
{
    return numeric_to_int(v, 4, ret);
}

static CALL(numeric_to_int8)
{
    return numeric_to_int(v, 8, ret);
}

/* ---- bool and oid ---- */

static CALL(int_to_bool)
{
    *ret = value_int(v->i != 0);
    return NULL;
}

static CALL(bool_to_text)
{
    *ret = v->i ? value_text("true", 4) : value_text("false", 5);
    return NULL;
}

static CALL(int4_to_oid)
{
    *ret = value_int((uint32_t)v->i);
    return NULL;
}

static CALL(int8_to_oid)
{
    if (v->i < 0 || v->i > UINT32_MAX)
        return error_new(E_OUT_OF_RANGE, "OID out of range");
    *ret = v[0];
    return NULL;
}

static CALL(oid_to_int4)
{
    *ret = value_int((int32_t)v->i);
    return NULL;
}

/* ---- text ---- */

static CALL(float8_to_text)
{
    struct buf text = {0};
    types__float8_show(v->r, &text);
    *ret = types__text_of(a, &text);
    buf_done(&text);
    return NULL;
}

static CALL(float4_to_text)
{
    struct buf text = {0};
    types__float4_show((float)v->r, &text);
    *ret = types__text_of(a, &text);
    buf_done(&text);
    return NULL;
}

static CALL(bpchar_to_text)
{
    *ret = value_text(v->s.p, types__rtrim_blanks(v->s.p, v->s.n));
    return NULL;
}

/* ---- date and time ---- */

static CALL(date_to_text)
{
    struct buf text = {0};
    types__date_print((int32_t)v->i, &text);
    *ret = types__text_of(a, &text);
    buf_done(&text);
    return NULL;
}

static CALL(time_to_text)
{
    struct buf text = {0};
    types__time_print(v->i, &text);
    *ret = types__text_of(a, &text);
    buf_done(&text);
    return NULL;
}

static CALL(timestamp_to_text)
{
    struct buf text = {0};
    types__timestamp_print(v->i, false, &text);
    *ret = types__text_of(a, &text);
    buf_done(&text);
    return NULL;
}

static CALL(timestamptz_to_text)
{
    struct buf text = {0};
    types__timestamp_print(v->i, true, &text);
    *ret = types__text_of(a, &text);
    buf_done(&text);
    return NULL;
}

static CALL(interval_to_text)
{
    struct buf text = {0};
    types__interval_show(v, &text);
    *ret = types__text_of(a, &text);
    buf_done(&text);
    return NULL;
}

static CALL(bytea_to_text)
{
    struct buf text = {0};
    types__bytea_show(v, -1, &text);
    *ret = types__text_of(a, &text);
    buf_done(&text);
    return NULL;
}

/* ---- from text ---- */

#define FROM_TEXT(name, oid)                                                                       \
    static CALL(text_to_##name)                                                                    \
    {                                                                                              \
        return type_parse(type_by_oid(oid), v->s.p, v->s.n, -1, a, ret);                           \
    }

FROM_TEXT(bool, OID_BOOL)
FROM_TEXT(int2, OID_INT2)
FROM_TEXT(int4, OID_INT4)
FROM_TEXT(int8, OID_INT8)
FROM_TEXT(float4, OID_FLOAT4)
FROM_TEXT(float8, OID_FLOAT8)
FROM_TEXT(oid, OID_OID)
FROM_TEXT(numeric, OID_NUMERIC)
FROM_TEXT(name, OID_NAME)

static CALL(bpchar_to_name)
{
    struct value text = value_text(v->s.p, types__rtrim_blanks(v->s.p, v->s.n));
    return text_to_name(&text, 1, a, ret);
}

FROM_TEXT(date, OID_DATE)
FROM_TEXT(timestamp, OID_TIMESTAMP)
FROM_TEXT(timestamptz, OID_TIMESTAMPTZ)
FROM_TEXT(bytea, OID_BYTEA)
FROM_TEXT(uuid, OID_UUID)
FROM_TEXT(inet, OID_INET)
FROM_TEXT(cidr, OID_CIDR)
FROM_TEXT(time, OID_TIME)
FROM_TEXT(interval, OID_INTERVAL)

/* ---- typmods and output ---- */

static CALL(varchar_assign)
{
    *ret = v[0];
    return types__varchar_fit(ret, (int32_t)v[1].i, true);
}

static CALL(varchar_cut)
{
    *ret = v[0];
    return types__varchar_fit(ret, (int32_t)v[1].i, false);
}

static CALL(bpchar_assign)
{
    *ret = v[0];
    return types__bpchar_fit(ret, (int32_t)v[1].i, true, a);
}

static CALL(bpchar_cut)
{
    *ret = v[0];
    return types__bpchar_fit(ret, (int32_t)v[1].i, false, a);
}

static CALL(numeric_typmod)
{
    struct value fitted = v[0];
    TRY(types__numeric_fit(&fitted, (int32_t)v[1].i, a));
    *ret = fitted;
    return NULL;
}

static CALL(bit_assign)
{
    *ret = v[0];
    return types__bit_fit(ret, (int32_t)v[1].i, true, a);
}

static CALL(bit_cut)
{
    *ret = v[0];
    return types__bit_fit(ret, (int32_t)v[1].i, false, a);
}

static CALL(varbit_assign)
{
    *ret = v[0];
    return types__varbit_fit(ret, (int32_t)v[1].i, true, a);
}

static CALL(varbit_cut)
{
    *ret = v[0];
    return types__varbit_fit(ret, (int32_t)v[1].i, false, a);
}

static CALL(interval_fit)
{
    *ret = v[0];
    return types__interval_fit(ret, (int32_t)v[1].i, a);
}

static CALL(timestamp_typmod)
{
    int64_t us = 0;
    TRY(types__timestamp_fit(v[0].i, (int32_t)v[1].i, &us));
    *ret = value_int(us);
    return NULL;
}

static CALL(timetz_typmod)
{
    int64_t packed = 0;
    TRY(types__timetz_fit(v[0].i, (int32_t)v[1].i, &packed));
    *ret = value_int(packed);
    return NULL;
}

static CALL(bool_out)
{
    *ret = value_text(v->i ? "t" : "f", 1);
    return NULL;
}

/* ---- of any type: the last argument says which ---- */

static CALL(any_out)
{
    const struct type *t = type_by_oid((uint32_t)v[1].i);
    if (!t || v[0].kind != t->storage)
        return error_new(E_INTERNAL, "a value of another type was about to be printed");
    _cleanup_(buf_done) struct buf text = {0};
    type_print(t, v, (int32_t)(v[1].i >> 32), &text);
    *ret = types__text_of(a, &text);
    return NULL;
}

static CALL(any_name)
{
    struct value text;
    TRY(any_out(v, n, a, &text));
    return text_to_name(&text, 1, a, ret);
}

static CALL(any_in)
{
    const struct type *t = type_by_oid((uint32_t)v[1].i);
    if (!t)
        return error_new(E_INTERNAL, "there is no type %" PRId64, v[1].i);
    return type_parse(t, v->s.p, v->s.n, -1, a, ret);
}

static CALL(array_cast)
{
    const struct type *from = type_by_oid((uint32_t)(v[1].i >> 32));
    const struct type *to = type_by_oid((uint32_t)v[1].i);
    const struct cast *c = from && to ? cast_find(from->element, to->element, CAST_EXPLICIT) : NULL;
    struct array x;
    if (!c || !c->func)
        return error_new(E_INTERNAL, "there is no cast from array %" PRId64, v[1].i);
    TRY(types__array_read(type_by_oid(from->element), v, a, &x));
    for (size_t i = 0; i < x.n; i++) {
        const struct value args[2] = {x.items[i], value_int(cast_hidden(c))};
        if (x.items[i].kind != VALUE_NULL)
            TRY(c->func->call(args, c->func->typed ? 2 : 1, a, &x.items[i]));
    }
    *ret = types__array_write(type_by_oid(to->element), &x, a);
    return NULL;
}

static struct error *fit_array(const struct value *v, bool strict, struct arena *a,
                               struct value *ret)
{
    const struct type *t = type_by_oid((uint32_t)v[2].i);
    *ret = v[0];
    return t ? types__array_fit(t, (int32_t)v[1].i, strict, ret, a) : NULL;
}

static CALL(array_assign)
{
    return fit_array(v, true, a, ret);
}

static CALL(array_cut)
{
    return fit_array(v, false, a, ret);
}

static CALL(char_to_int4)
{
    *ret = value_int((int8_t)types__char_byte(v));
    return NULL;
}

static CALL(int4_to_char)
{
    if (v->i < -128 || v->i > 127)
        return error_new(E_OUT_OF_RANGE, "\"char\" out of range");
    *ret = types__char_of((uint8_t)v->i, a);
    return NULL;
}

static CALL(text_to_regclass)
{
    return type_parse(type_by_oid(OID_REGCLASS), v->s.p, v->s.n, -1, a, ret);
}

static CALL(text_to_char)
{
    return type_parse(type_by_oid(OID_CHAR), v->s.p, v->s.n, -1, a, ret);
}

/* ---- the functions ---- */

enum {
    TO_INT2,
    TO_INT4,
    TO_FLOAT8,
    TO_FLOAT4,
    INT_TEXT,
    FLOAT_INT2,
    FLOAT_INT4,
    FLOAT_INT8,
    FLOAT8_FLOAT4,
    FLOAT8_NUMERIC,
    FLOAT4_NUMERIC,
    NUMERIC_INT2,
    NUMERIC_INT4,
    NUMERIC_INT8,
    INT_BOOL,
    BOOL_TEXT,
    INT4_OID,
    INT8_OID,
    OID_INT,
    FLOAT8_TEXT,
    FLOAT4_TEXT,
    BPCHAR_TEXT,
    BPCHAR_NAME,
    TEXT_BOOL,
    TEXT_INT2,
    TEXT_INT4,
    TEXT_INT8,
    TEXT_FLOAT4,
    TEXT_FLOAT8,
    TEXT_OID,
    TEXT_NUMERIC,
    TEXT_NAME,
    VARCHAR_ASSIGN,
    VARCHAR_CUT,
    BPCHAR_ASSIGN,
    BPCHAR_CUT,
    NUMERIC_TYPMOD,
    BOOL_OUT,
    DATE_TEXT,
    TIMESTAMP_TEXT,
    INTERVAL_TEXT,
    TIMESTAMPTZ_TEXT,
    TEXT_DATE,
    TEXT_TIMESTAMP,
    TEXT_TIMESTAMPTZ,
    DATE_TIMESTAMP,
    TIMESTAMP_DATE,
    TIMESTAMP_TYPMOD,
    DATE_AS_TIMESTAMP,
    DATE_AS_TIMESTAMPTZ,
    TIMESTAMP_AS_TIMESTAMPTZ,
    DATE_TIMESTAMPTZ,
    TIMESTAMP_TIMESTAMPTZ,
    TIMESTAMPTZ_DATE,
    TIMESTAMPTZ_TIMESTAMP,
    TIMESTAMPTZ_TIME,
    BYTEA_TEXT,
    TEXT_BYTEA,
    TEXT_UUID,
    TEXT_INET,
    TEXT_CIDR,
    INET_CIDR,
    TIME_TEXT,
    TEXT_TIME,
    TEXT_INTERVAL,
    TIMESTAMP_TIME,
    INTERVAL_TIME,
    TIME_INTERVAL,
    TIME_TIMETZ,
    TIMETZ_TIME,
    TIMESTAMPTZ_TIMETZ,
    TIMETZ_TYPMOD,
    ANY_OUT,
    ANY_NAME,
    ANY_IN,
    ARRAY_CAST,
    ARRAY_ASSIGN,
    ARRAY_CUT,
    CHAR_INT4,
    INT4_CHAR,
    TEXT_REGCLASS,
    TEXT_CHAR,
    JSON_JSONB,
    TEXT_JSON,
    JSONB_BOOL,
    JSONB_NUMBER,
    BIT_ASSIGN,
    BIT_CUT,
    VARBIT_ASSIGN,
    VARBIT_CUT,
    INTERVAL_TYPMOD,
    INT_BIT,
    BIT_INT4,
    BIT_INT8,
    MACADDR_MACADDR8,
    MACADDR8_MACADDR,
    INT_MONEY,
    NUMERIC_MONEY,
    MONEY_NUMERIC,
};

#define ROW(from, to, fn) SCALAR1("cast", from, to, #fn, fn)
#define ROW_EMIT(from, to, e, fn) SCALAR1_EMIT("cast", from, to, e, fn)
#define ROW_TYPMOD(type, to, fn) SCALAR2("cast", type, OID_INT4, to, #fn, fn)

#define ROW_TYPED(n, arg, arg2, to, fn)                                                            \
    {                                                                                              \
        .name = "cast", .kind = FUNC_SCALAR, .nargs = n, .args = {arg, arg2}, .result = to,        \
        .strict = true, .typed = true, .sqlite_name = #fn, .call = fn                              \
    }

static const struct func rows[] = {
    [TO_INT2] = ROW(OID_INT8, OID_INT2, int_to_int2),
    [TO_INT4] = ROW(OID_INT8, OID_INT4, int_to_int4),
    [TO_FLOAT8] = ROW_EMIT(OID_INT8, OID_FLOAT8, "CAST($1 AS REAL)", int_to_float8),
    [TO_FLOAT4] = ROW(OID_INT8, OID_FLOAT4, int_to_float4),
    [INT_TEXT] = ROW_EMIT(OID_INT8, OID_TEXT, "CAST($1 AS TEXT)", int_to_text),
    [FLOAT_INT2] = ROW(OID_FLOAT8, OID_INT2, float_to_int2),
    [FLOAT_INT4] = ROW(OID_FLOAT8, OID_INT4, float_to_int4),
    [FLOAT_INT8] = ROW(OID_FLOAT8, OID_INT8, float_to_int8),
    [FLOAT8_FLOAT4] = ROW(OID_FLOAT8, OID_FLOAT4, float8_to_float4),
    [FLOAT8_NUMERIC] = ROW(OID_FLOAT8, OID_NUMERIC, float8_to_numeric),
    [FLOAT4_NUMERIC] = ROW(OID_FLOAT4, OID_NUMERIC, float4_to_numeric),
    [NUMERIC_INT2] = ROW(OID_NUMERIC, OID_INT2, numeric_to_int2),
    [NUMERIC_INT4] = ROW(OID_NUMERIC, OID_INT4, numeric_to_int4),
    [NUMERIC_INT8] = ROW(OID_NUMERIC, OID_INT8, numeric_to_int8),
    [INT_BOOL] = ROW_EMIT(OID_INT4, OID_BOOL, "($1 <> 0)", int_to_bool),
    [BOOL_TEXT] = ROW(OID_BOOL, OID_TEXT, bool_to_text),
    [INT4_OID] = ROW_EMIT(OID_INT4, OID_OID, "($1 & 4294967295)", int4_to_oid),
    [INT8_OID] = ROW(OID_INT8, OID_OID, int8_to_oid),
    [OID_INT] = ROW(OID_OID, OID_INT4, oid_to_int4),
    [FLOAT8_TEXT] = ROW(OID_FLOAT8, OID_TEXT, float8_to_text),
    [FLOAT4_TEXT] = ROW(OID_FLOAT4, OID_TEXT, float4_to_text),
    [BPCHAR_TEXT] = ROW_EMIT(OID_BPCHAR, OID_TEXT, "rtrim($1, ' ')", bpchar_to_text),
    [BPCHAR_NAME] = ROW(OID_BPCHAR, OID_NAME, bpchar_to_name),
    [TEXT_BOOL] = ROW(OID_TEXT, OID_BOOL, text_to_bool),
    [TEXT_INT2] = ROW(OID_TEXT, OID_INT2, text_to_int2),
    [TEXT_INT4] = ROW(OID_TEXT, OID_INT4, text_to_int4),
    [TEXT_INT8] = ROW(OID_TEXT, OID_INT8, text_to_int8),
    [TEXT_FLOAT4] = ROW(OID_TEXT, OID_FLOAT4, text_to_float4),
    [TEXT_FLOAT8] = ROW(OID_TEXT, OID_FLOAT8, text_to_float8),
    [TEXT_OID] = ROW(OID_TEXT, OID_OID, text_to_oid),
    [TEXT_NUMERIC] = ROW(OID_TEXT, OID_NUMERIC, text_to_numeric),
    [TEXT_NAME] = ROW(OID_TEXT, OID_NAME, text_to_name),
    [VARCHAR_ASSIGN] = ROW_TYPMOD(OID_VARCHAR, OID_VARCHAR, varchar_assign),
    [VARCHAR_CUT] = ROW_TYPMOD(OID_VARCHAR, OID_VARCHAR, varchar_cut),
    [BPCHAR_ASSIGN] = ROW_TYPMOD(OID_BPCHAR, OID_BPCHAR, bpchar_assign),
    [BPCHAR_CUT] = ROW_TYPMOD(OID_BPCHAR, OID_BPCHAR, bpchar_cut),
    [NUMERIC_TYPMOD] = ROW_TYPMOD(OID_NUMERIC, OID_NUMERIC, numeric_typmod),
    [BOOL_OUT] = ROW(OID_BOOL, OID_TEXT, bool_out),
    [DATE_TEXT] = ROW(OID_DATE, OID_TEXT, date_to_text),
    [INTERVAL_TEXT] = ROW(OID_INTERVAL, OID_TEXT, interval_to_text),
    [TIMESTAMP_TEXT] = ROW(OID_TIMESTAMP, OID_TEXT, timestamp_to_text),
    [TIMESTAMPTZ_TEXT] = ROW(OID_TIMESTAMPTZ, OID_TEXT, timestamptz_to_text),
    [TEXT_DATE] = ROW(OID_TEXT, OID_DATE, text_to_date),
    [TEXT_TIMESTAMP] = ROW(OID_TEXT, OID_TIMESTAMP, text_to_timestamp),
    [TEXT_TIMESTAMPTZ] = ROW(OID_TEXT, OID_TIMESTAMPTZ, text_to_timestamptz),
    [DATE_TIMESTAMP] =
        SCALAR1("cast", OID_DATE, OID_TIMESTAMP, "date_to_timestamp", types__date_to_timestamp),
    [TIMESTAMP_DATE] =
        SCALAR1("cast", OID_TIMESTAMP, OID_DATE, "timestamp_to_date", types__timestamp_to_date),
    [TIMESTAMP_TYPMOD] = ROW_TYPMOD(OID_TIMESTAMP, OID_TIMESTAMP, timestamp_typmod),
    [TIMETZ_TYPMOD] = ROW_TYPMOD(OID_TIMETZ, OID_TIMETZ, timetz_typmod),
    [BYTEA_TEXT] = ROW(OID_BYTEA, OID_TEXT, bytea_to_text),
    [TEXT_BYTEA] = ROW(OID_TEXT, OID_BYTEA, text_to_bytea),
    [TEXT_UUID] = ROW(OID_TEXT, OID_UUID, text_to_uuid),
    [TEXT_INET] = ROW(OID_TEXT, OID_INET, text_to_inet),
    [TEXT_CIDR] = ROW(OID_TEXT, OID_CIDR, text_to_cidr),
    [INET_CIDR] = SCALAR1("cast", OID_INET, OID_CIDR, "inet_to_cidr", types__inet_network),
    [BIT_ASSIGN] = ROW_TYPMOD(OID_BIT, OID_BIT, bit_assign),
    [BIT_CUT] = ROW_TYPMOD(OID_BIT, OID_BIT, bit_cut),
    [VARBIT_ASSIGN] = ROW_TYPMOD(OID_VARBIT, OID_VARBIT, varbit_assign),
    [VARBIT_CUT] = ROW_TYPMOD(OID_VARBIT, OID_VARBIT, varbit_cut),
    [INTERVAL_TYPMOD] = ROW_TYPMOD(OID_INTERVAL, OID_INTERVAL, interval_fit),
    [INT_BIT] = SCALAR2("cast", OID_INT8, OID_INT4, OID_BIT, "int_to_bit", types__int_to_bit),
    [BIT_INT4] = SCALAR1("cast", OID_BIT, OID_INT4, "bit_to_int4", types__bit_to_int4),
    [BIT_INT8] = SCALAR1("cast", OID_BIT, OID_INT8, "bit_to_int8", types__bit_to_int8),
    [MACADDR_MACADDR8] =
        SCALAR1("cast", OID_MACADDR, OID_MACADDR8, "macaddr_to_8", types__macaddr_to_8),
    [MACADDR8_MACADDR] =
        SCALAR1("cast", OID_MACADDR8, OID_MACADDR, "macaddr8_to_6", types__macaddr8_to_6),
    [INT_MONEY] = SCALAR1("cast", OID_INT8, OID_MONEY, "int_to_money", types__int_to_money),
    [NUMERIC_MONEY] =
        SCALAR1("cast", OID_NUMERIC, OID_MONEY, "numeric_to_money", types__numeric_to_money),
    [MONEY_NUMERIC] =
        SCALAR1("cast", OID_MONEY, OID_NUMERIC, "money_to_numeric", types__money_to_numeric),
    [TIME_TEXT] = ROW(OID_TIME, OID_TEXT, time_to_text),
    [TEXT_TIME] = ROW(OID_TEXT, OID_TIME, text_to_time),
    [TEXT_INTERVAL] = ROW(OID_TEXT, OID_INTERVAL, text_to_interval),
    [TIMESTAMP_TIME] =
        SCALAR1("cast", OID_TIMESTAMP, OID_TIME, "timestamp_to_time", types__timestamp_to_time),
    [INTERVAL_TIME] =
        SCALAR1("cast", OID_INTERVAL, OID_TIME, "interval_to_time", types__interval_to_time),
    [TIME_TIMETZ] = SCALAR1("cast", OID_TIME, OID_TIMETZ, "time_to_timetz", types__time_to_timetz),
    [TIMETZ_TIME] = SCALAR1("cast", OID_TIMETZ, OID_TIME, "timetz_to_time", types__timetz_to_time),
    [TIMESTAMPTZ_TIMETZ] = SCALAR1("cast", OID_TIMESTAMPTZ, OID_TIMETZ, "timestamptz_to_timetz",
                                   types__timestamptz_to_timetz),
    [TIME_INTERVAL] =
        SCALAR1("cast", OID_TIME, OID_INTERVAL, "time_to_interval", types__time_to_interval),
    [CHAR_INT4] = ROW(OID_CHAR, OID_INT4, char_to_int4),
    [INT4_CHAR] = SCALAR1("cast", OID_INT4, OID_CHAR, "int4_as_char", int4_to_char),
    [TEXT_REGCLASS] = ROW(OID_TEXT, OID_REGCLASS, text_to_regclass),
    [TEXT_CHAR] = ROW(OID_TEXT, OID_CHAR, text_to_char),
    [JSON_JSONB] = SCALAR1("cast", OID_JSON, OID_JSONB, "json_to_jsonb", types__json_to_jsonb),
    [TEXT_JSON] = {.name = "cast",
                   .kind = FUNC_SCALAR,
                   .nargs = 1,
                   .args = {OID_TEXT},
                   .result = OID_JSON,
                   .strict = true,
                   .sqlite_name = "text_to_json",
                   .call = types__text_to_json},
    [JSONB_BOOL] = ROW_TYPED(1, OID_JSONB, 0, OID_BOOL, types__jsonb_to_bool),
    [JSONB_NUMBER] = ROW_TYPED(1, OID_JSONB, 0, OID_ANYELEMENT, types__jsonb_to_number),
    [ANY_OUT] = ROW_TYPED(1, OID_ANYELEMENT, 0, OID_TEXT, any_out),
    [ANY_NAME] = ROW_TYPED(1, OID_ANYELEMENT, 0, OID_NAME, any_name),
    [ANY_IN] = {.name = "cast",
                .kind = FUNC_SCALAR,
                .nargs = 1,
                .args = {OID_TEXT},
                .result = OID_ANYELEMENT,
                .strict = true,
                .typed = true,
                .sqlite_name = "any_in",
                .call = any_in},
    [ARRAY_CAST] = ROW_TYPED(1, OID_ANYARRAY, 0, OID_ANYARRAY, array_cast),
    [ARRAY_ASSIGN] = ROW_TYPED(2, OID_ANYARRAY, OID_INT4, OID_ANYARRAY, array_assign),
    [ARRAY_CUT] = ROW_TYPED(2, OID_ANYARRAY, OID_INT4, OID_ANYARRAY, array_cut),
    /* no cast: the templates of comparisons in datetime.c call it */
    [DATE_AS_TIMESTAMP] =
        SCALAR1("cast", OID_DATE, OID_TIMESTAMP, "date_as_timestamp", types__date_as_timestamp),
    [DATE_AS_TIMESTAMPTZ] = SCALAR1("cast", OID_DATE, OID_TIMESTAMPTZ, "date_as_timestamptz",
                                    types__date_as_timestamptz),
    [TIMESTAMP_AS_TIMESTAMPTZ] =
        SCALAR1("cast", OID_TIMESTAMP, OID_TIMESTAMPTZ, "timestamp_as_timestamptz",
                types__timestamp_as_timestamptz),
    [DATE_TIMESTAMPTZ] = SCALAR1("cast", OID_DATE, OID_TIMESTAMPTZ, "date_to_timestamptz",
                                 types__date_to_timestamptz),
    [TIMESTAMP_TIMESTAMPTZ] = SCALAR1("cast", OID_TIMESTAMP, OID_TIMESTAMPTZ,
                                      "timestamp_to_timestamptz", types__timestamp_to_timestamptz),
    [TIMESTAMPTZ_DATE] = SCALAR1("cast", OID_TIMESTAMPTZ, OID_DATE, "timestamptz_to_date",
                                 types__timestamptz_to_date),
    [TIMESTAMPTZ_TIMESTAMP] = SCALAR1("cast", OID_TIMESTAMPTZ, OID_TIMESTAMP,
                                      "timestamptz_to_timestamp", types__timestamptz_to_timestamp),
    [TIMESTAMPTZ_TIME] = SCALAR1("cast", OID_TIMESTAMPTZ, OID_TIME, "timestamptz_to_time",
                                 types__timestamptz_to_time),
};

const struct func_rows types__cast_funcs = {rows, ARRAY_LEN(rows)};

/* ---- the casts ---- */

#define I CAST_IMPLICIT
#define A CAST_ASSIGNMENT
#define E CAST_EXPLICIT
/* What PostgreSQL derives from input and output functions, for each of the string types */
#define IO(type, out, in)                                                                          \
    {OID_##type, OID_TEXT, A, out}, {OID_##type, OID_VARCHAR, A, out},                             \
        {OID_##type, OID_BPCHAR, A, out}, {OID_##type, OID_NAME, A, &rows[ANY_NAME]},              \
        {OID_TEXT, OID_##type, E, in}, {OID_VARCHAR, OID_##type, E, in},                           \
        {OID_BPCHAR, OID_##type, E, in},                                                           \
    {                                                                                              \
        OID_NAME, OID_##type, E, in                                                                \
    }

/* What holds an oid */
#define REG(type)                                                                                  \
    {OID_OID, OID_##type, I, NULL}, {OID_##type, OID_OID, I, NULL},                                \
        {OID_INT2, OID_##type, I, &rows[INT4_OID]}, {OID_INT4, OID_##type, I, &rows[INT4_OID]},    \
        {OID_INT8, OID_##type, I, &rows[INT8_OID]}, {OID_##type, OID_INT4, A, &rows[OID_INT]},     \
    {                                                                                              \
        OID_##type, OID_INT8, A, NULL                                                              \
    }

static const struct cast casts[] = {
    {OID_BOOL, OID_NAME, A, &rows[BOOL_OUT]}, /* only text says true: before IO(BOOL) */
    {OID_INT2, OID_INT4, I, NULL},
    {OID_INT2, OID_INT8, I, NULL},
    {OID_INT2, OID_FLOAT4, I, &rows[TO_FLOAT8]}, /* exact */
    {OID_INT2, OID_FLOAT8, I, &rows[TO_FLOAT8]},
    {OID_INT2, OID_NUMERIC, I, &rows[INT_TEXT]},
    {OID_INT4, OID_INT2, A, &rows[TO_INT2]},
    {OID_INT4, OID_INT8, I, NULL},
    {OID_INT4, OID_FLOAT4, I, &rows[TO_FLOAT4]},
    {OID_INT4, OID_FLOAT8, I, &rows[TO_FLOAT8]},
    {OID_INT4, OID_NUMERIC, I, &rows[INT_TEXT]},
    {OID_INT8, OID_INT2, A, &rows[TO_INT2]},
    {OID_INT8, OID_INT4, A, &rows[TO_INT4]},
    {OID_INT8, OID_FLOAT4, I, &rows[TO_FLOAT4]},
    {OID_INT8, OID_FLOAT8, I, &rows[TO_FLOAT8]},
    {OID_INT8, OID_NUMERIC, I, &rows[INT_TEXT]},
    {OID_FLOAT4, OID_INT2, A, &rows[FLOAT_INT2]},
    {OID_FLOAT4, OID_INT4, A, &rows[FLOAT_INT4]},
    {OID_FLOAT4, OID_INT8, A, &rows[FLOAT_INT8]},
    {OID_FLOAT4, OID_FLOAT8, I, NULL},
    {OID_FLOAT4, OID_NUMERIC, A, &rows[FLOAT4_NUMERIC]},
    {OID_FLOAT8, OID_INT2, A, &rows[FLOAT_INT2]},
    {OID_FLOAT8, OID_INT4, A, &rows[FLOAT_INT4]},
    {OID_FLOAT8, OID_INT8, A, &rows[FLOAT_INT8]},
    {OID_FLOAT8, OID_FLOAT4, A, &rows[FLOAT8_FLOAT4]},
    {OID_FLOAT8, OID_NUMERIC, A, &rows[FLOAT8_NUMERIC]},
    {OID_NUMERIC, OID_INT2, A, &rows[NUMERIC_INT2]},
    {OID_NUMERIC, OID_INT4, A, &rows[NUMERIC_INT4]},
    {OID_NUMERIC, OID_INT8, A, &rows[NUMERIC_INT8]},
    {OID_NUMERIC, OID_FLOAT4, I, &rows[TEXT_FLOAT4]},
    {OID_NUMERIC, OID_FLOAT8, I, &rows[TEXT_FLOAT8]},
    {OID_INT4, OID_BOOL, E, &rows[INT_BOOL]},
    {OID_BOOL, OID_INT4, E, NULL},
    {OID_INT2, OID_OID, I, &rows[INT4_OID]},
    {OID_INT4, OID_OID, I, &rows[INT4_OID]},
    {OID_INT8, OID_OID, I, &rows[INT8_OID]},
    {OID_OID, OID_INT4, A, &rows[OID_INT]},
    {OID_OID, OID_INT8, A, NULL},
    {OID_TEXT, OID_VARCHAR, I, NULL},
    {OID_TEXT, OID_BPCHAR, I, NULL},
    {OID_TEXT, OID_NAME, I, &rows[TEXT_NAME]},
    {OID_VARCHAR, OID_TEXT, I, NULL},
    {OID_VARCHAR, OID_BPCHAR, I, NULL},
    {OID_VARCHAR, OID_NAME, I, &rows[TEXT_NAME]},
    {OID_BPCHAR, OID_TEXT, I, &rows[BPCHAR_TEXT]},
    {OID_BPCHAR, OID_VARCHAR, I, &rows[BPCHAR_TEXT]},
    {OID_BPCHAR, OID_NAME, I, &rows[BPCHAR_NAME]},
    {OID_NAME, OID_TEXT, I, NULL},
    {OID_NAME, OID_VARCHAR, A, NULL},
    {OID_NAME, OID_BPCHAR, A, NULL},
    {OID_CHAR, OID_TEXT, I, NULL},
    {OID_RECORD, OID_TEXT, A, &rows[ANY_OUT]},
    {OID_RECORD, OID_VARCHAR, A, &rows[ANY_OUT]},
    {OID_RECORD, OID_BPCHAR, A, &rows[ANY_OUT]},
    {OID_RECORD, OID_NAME, A, &rows[ANY_NAME]},
    {OID_CHAR, OID_BPCHAR, A, NULL},
    {OID_CHAR, OID_VARCHAR, A, NULL},
    {OID_TEXT, OID_CHAR, A, &rows[TEXT_CHAR]},
    {OID_BPCHAR, OID_CHAR, A, &rows[TEXT_CHAR]},
    {OID_VARCHAR, OID_CHAR, A, &rows[TEXT_CHAR]},
    {OID_CHAR, OID_INT4, E, &rows[CHAR_INT4]},
    {OID_INT4, OID_CHAR, E, &rows[INT4_CHAR]},
    {OID_TEXT, OID_REGCLASS, I, &rows[TEXT_REGCLASS]},
    {OID_VARCHAR, OID_REGCLASS, I, &rows[TEXT_REGCLASS]},
    REG(REGPROC),
    REG(REGPROCEDURE),
    REG(REGOPER),
    REG(REGOPERATOR),
    REG(REGCLASS),
    REG(REGTYPE),
    REG(REGROLE),
    REG(REGNAMESPACE),
    {OID_REGPROC, OID_REGPROCEDURE, I, NULL},
    {OID_REGPROCEDURE, OID_REGPROC, I, NULL},
    {OID_REGOPER, OID_REGOPERATOR, I, NULL},
    {OID_REGOPERATOR, OID_REGOPER, I, NULL},
    {OID_DATE, OID_TIMESTAMP, I, &rows[DATE_TIMESTAMP]},
    {OID_DATE, OID_TIMESTAMPTZ, I, &rows[DATE_TIMESTAMPTZ]},
    {OID_TIMESTAMP, OID_DATE, A, &rows[TIMESTAMP_DATE]},
    {OID_TIMESTAMP, OID_TIMESTAMPTZ, I, &rows[TIMESTAMP_TIMESTAMPTZ]},
    {OID_TIMESTAMPTZ, OID_DATE, A, &rows[TIMESTAMPTZ_DATE]},
    {OID_TIMESTAMPTZ, OID_TIMESTAMP, A, &rows[TIMESTAMPTZ_TIMESTAMP]},
    {OID_TIMESTAMP, OID_TIME, A, &rows[TIMESTAMP_TIME]},
    {OID_TIMESTAMPTZ, OID_TIME, A, &rows[TIMESTAMPTZ_TIME]},
    {OID_TIME, OID_TIMETZ, I, &rows[TIME_TIMETZ]},
    {OID_TIMETZ, OID_TIME, A, &rows[TIMETZ_TIME]},
    {OID_TIMESTAMPTZ, OID_TIMETZ, A, &rows[TIMESTAMPTZ_TIMETZ]},
    {OID_INTERVAL, OID_TIME, A, &rows[INTERVAL_TIME]},
    {OID_TIME, OID_INTERVAL, I, &rows[TIME_INTERVAL]},
    {OID_CIDR, OID_INET, I, NULL},
    {OID_INET, OID_CIDR, A, &rows[INET_CIDR]},
    {OID_BIT, OID_VARBIT, I, NULL},
    {OID_VARBIT, OID_BIT, I, NULL},
    {OID_INT4, OID_BIT, E, &rows[INT_BIT]},
    {OID_INT8, OID_BIT, E, &rows[INT_BIT]},
    {OID_BIT, OID_INT4, E, &rows[BIT_INT4]},
    {OID_BIT, OID_INT8, E, &rows[BIT_INT8]},
    {OID_MACADDR, OID_MACADDR8, I, &rows[MACADDR_MACADDR8]},
    {OID_MACADDR8, OID_MACADDR, I, &rows[MACADDR8_MACADDR]},
    {OID_INT4, OID_MONEY, A, &rows[INT_MONEY]},
    {OID_INT8, OID_MONEY, A, &rows[INT_MONEY]},
    {OID_NUMERIC, OID_MONEY, A, &rows[NUMERIC_MONEY]},
    {OID_MONEY, OID_NUMERIC, A, &rows[MONEY_NUMERIC]},
    {OID_JSON, OID_JSONB, A, &rows[JSON_JSONB]},
    {OID_JSONB, OID_JSON, A, NULL},
    {OID_JSONB, OID_BOOL, E, &rows[JSONB_BOOL]},
    {OID_JSONB, OID_NUMERIC, E, &rows[JSONB_NUMBER]},
    {OID_JSONB, OID_INT2, E, &rows[JSONB_NUMBER]},
    {OID_JSONB, OID_INT4, E, &rows[JSONB_NUMBER]},
    {OID_JSONB, OID_INT8, E, &rows[JSONB_NUMBER]},
    {OID_JSONB, OID_FLOAT4, E, &rows[JSONB_NUMBER]},
    {OID_JSONB, OID_FLOAT8, E, &rows[JSONB_NUMBER]},
    IO(JSON, NULL, &rows[TEXT_JSON]),
    IO(JSONB, NULL, &rows[JSON_JSONB]),
    IO(BOOL, &rows[BOOL_TEXT], &rows[TEXT_BOOL]),
    IO(INT2, &rows[INT_TEXT], &rows[TEXT_INT2]),
    IO(INT4, &rows[INT_TEXT], &rows[TEXT_INT4]),
    IO(INT8, &rows[INT_TEXT], &rows[TEXT_INT8]),
    IO(OID, &rows[INT_TEXT], &rows[TEXT_OID]),
    IO(FLOAT4, &rows[FLOAT4_TEXT], &rows[TEXT_FLOAT4]),
    IO(FLOAT8, &rows[FLOAT8_TEXT], &rows[TEXT_FLOAT8]),
    IO(NUMERIC, NULL, &rows[TEXT_NUMERIC]),
    IO(BYTEA, &rows[BYTEA_TEXT], &rows[TEXT_BYTEA]),
    IO(UUID, NULL, &rows[TEXT_UUID]),
    IO(INET, NULL, &rows[TEXT_INET]),
    IO(CIDR, NULL, &rows[TEXT_CIDR]),
    IO(TIME, &rows[TIME_TEXT], &rows[TEXT_TIME]),
    IO(INTERVAL, &rows[INTERVAL_TEXT], &rows[TEXT_INTERVAL]),
    IO(DATE, &rows[DATE_TEXT], &rows[TEXT_DATE]),
    IO(TIMESTAMP, &rows[TIMESTAMP_TEXT], &rows[TEXT_TIMESTAMP]),
    IO(TIMESTAMPTZ, &rows[TIMESTAMPTZ_TEXT], &rows[TEXT_TIMESTAMPTZ]),
};

/* ---- casts that nobody wrote down: arrays by their elements, everything to and from text ---- */

static bool is_string(const struct type *t)
{
    return t->category == 'S';
}

/* Between two arrays there is what there is between their elements. */
static bool array_cast_of(const struct type *from, const struct type *to, struct cast *ret)
{
    bool vector = to->oid == OID_INT2VECTOR || to->oid == OID_OIDVECTOR;
    if (from->category != 'A' || to->category != 'A' || vector)
        return false;
    if (from->element == to->element) { /* int2vector to int2[] */
        ret->context = CAST_IMPLICIT;
        return true;
    }
    const struct cast *of_element = cast_find(from->element, to->element, CAST_EXPLICIT);
    if (!of_element || (of_element->func && of_element->func == &rows[INT_BIT]))
        return false; /* that hangs on a length, which the items' cast is not told */
    ret->context = of_element->context;
    ret->func = of_element->func ? &rows[ARRAY_CAST] : NULL;
    return true;
}

static bool derive(const struct type *from, const struct type *to, struct cast *ret)
{
    if (array_cast_of(from, to, ret))
        return true;
    if (type_is_composite(from) && to->oid == OID_RECORD) {
        ret->context = CAST_IMPLICIT;
        ret->func = record_func(RECORD_OF);
        return true;
    }
    bool pseudo = from->category == 'P' && from->oid != OID_VOID;
    if (pseudo || to->category == 'P' || from->category == 'X' || to->category == 'X')
        return false;
    if (is_string(to)) {
        bool more;
        ret->context = CAST_ASSIGNMENT;
        ret->func = type_output_func(from->oid, &more);
        ret->func = to->oid == OID_NAME ? &rows[ANY_NAME] : more ? &rows[ANY_OUT] : ret->func;
        return true;
    }
    ret->context = CAST_EXPLICIT;
    ret->func = &rows[ANY_IN];
    return is_string(from);
}

/* Those that were derived once, by from << 32 | to; they live forever. Guarded by derived_lock. */
static struct map derived;
static pthread_mutex_t derived_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct cast *find_derived(uint32_t from, uint32_t to)
{
    const struct type *f = type_by_oid(from), *t = type_by_oid(to);
    struct cast made = {.from = from, .to = to};
    if (from == to || !f || !t || !derive(f, t, &made))
        return NULL;
    uint64_t key = ((uint64_t)from << 32) | to;
    pthread_mutex_lock(&derived_lock);
    struct cast *c = map_get_u64(&derived, key);
    if (!c) {
        c = NEW(struct cast);
        *c = made;
        map_put_u64(&derived, key, c);
    }
    pthread_mutex_unlock(&derived_lock);
    return c;
}

int64_t cast_hidden(const struct cast *c)
{
    return c->func == &rows[ANY_OUT] || c->func == &rows[ANY_NAME] ? type_output_arg(c->from, -1)
           : c->func == &rows[ANY_IN]                              ? (int64_t)c->to
                                      : ((int64_t)c->from << 32) | c->to;
}

const struct cast *cast_find(uint32_t from, uint32_t to, enum cast_context context)
{
    for (size_t i = 0; i < ARRAY_LEN(casts); i++)
        if (casts[i].from == from && casts[i].to == to)
            return casts[i].context <= context ? &casts[i] : NULL;
    const struct cast *c = find_derived(from, to);
    return c && c->context <= context ? c : NULL;
}

const struct func *cast_typmod_func(uint32_t type, bool strict_length)
{
    switch (type) {
    case OID_VARCHAR:
        return &rows[strict_length ? VARCHAR_ASSIGN : VARCHAR_CUT];
    case OID_BPCHAR:
        return &rows[strict_length ? BPCHAR_ASSIGN : BPCHAR_CUT];
    case OID_NUMERIC:
        return &rows[NUMERIC_TYPMOD];
    case OID_BIT:
        return &rows[strict_length ? BIT_ASSIGN : BIT_CUT];
    case OID_VARBIT:
        return &rows[strict_length ? VARBIT_ASSIGN : VARBIT_CUT];
    case OID_INTERVAL:
        return &rows[INTERVAL_TYPMOD];
    case OID_TIME:
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
        return &rows[TIMESTAMP_TYPMOD];
    case OID_TIMETZ:
        return &rows[TIMETZ_TYPMOD];
    default:
        break;
    }
    const struct type *t = type_by_oid(type);
    if (t && t->category == 'A' && cast_typmod_func(t->element, strict_length))
        return &rows[strict_length ? ARRAY_ASSIGN : ARRAY_CUT];
    return NULL;
}

/* What has no case has a text form of its own, which need not be what is stored. */
const struct func *type_output_func(uint32_t type, bool *ret_more)
{
    const struct type *t = type_by_oid(type);
    *ret_more = false;
    switch (type) {
    case OID_BOOL:
        return &rows[BOOL_OUT];
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_OID:
    case OID_XID:
        return &rows[INT_TEXT];
    case OID_FLOAT4:
        return &rows[FLOAT4_TEXT];
    case OID_FLOAT8:
        return &rows[FLOAT8_TEXT];
    case OID_BYTEA:
        return &rows[BYTEA_TEXT];
    case OID_DATE:
        return &rows[DATE_TEXT];
    case OID_TIME:
        return &rows[TIME_TEXT];
    case OID_INTERVAL:
        return &rows[INTERVAL_TEXT];
    case OID_TIMESTAMP:
        return &rows[TIMESTAMP_TEXT];
    case OID_TIMESTAMPTZ:
        return &rows[TIMESTAMPTZ_TEXT];
    default:
        if (!t || (t->storage == VALUE_TEXT && !t->element && type < FIRST_USER_OID &&
                   type != OID_INET && type != OID_RECORD && t->category != 'R'))
            return NULL;
        *ret_more = true;
        return &rows[ANY_OUT];
    }
}

int64_t type_output_arg(uint32_t type, int32_t typmod)
{
    return (int64_t)(((uint64_t)(uint32_t)typmod << 32) | type);
}
