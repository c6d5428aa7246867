/*
 * Casts: pg_cast's rows for the types that exist, and the I/O casts that PostgreSQL makes for every
 * type (to text on assignment, from text when written out). A cast whose function is NULL changes
 * nothing in what SQLite holds.
 */
#include "types/types_int.h"

#include <math.h>
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
    if (isinf(r))
        return error_hint(error_new(E_UNSUPPORTED, "infinity of type numeric is not supported"),
                          "Keep it as double precision.");
    char text[64];
    int len = snprintf(text, sizeof(text), "%.*g", digits, r);
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
    types__float8_print(v->r, &text);
    *ret = types__text_of(a, &text);
    buf_done(&text);
    return NULL;
}

static CALL(float4_to_text)
{
    struct buf text = {0};
    types__float4_print((float)v->r, &text);
    *ret = types__text_of(a, &text);
    buf_done(&text);
    return NULL;
}

static CALL(text_to_bpchar)
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

static CALL(bytea_to_text)
{
    struct buf text = {0};
    types__bytea_print(v, -1, &text);
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
FROM_TEXT(date, OID_DATE)
FROM_TEXT(timestamp, OID_TIMESTAMP)
FROM_TEXT(timestamptz, OID_TIMESTAMPTZ)
FROM_TEXT(bytea, OID_BYTEA)
FROM_TEXT(uuid, OID_UUID)
FROM_TEXT(time, OID_TIME)
FROM_TEXT(interval, OID_INTERVAL)

/* ---- typmods and output ---- */

static struct error *with_typmod(struct error *(*fit)(struct value *v, int32_t typmod, bool strict),
                                 const struct value *v, bool strict, struct value *ret)
{
    struct value fitted = v[0];
    TRY(fit(&fitted, (int32_t)v[1].i, strict));
    *ret = fitted;
    return NULL;
}

static CALL(varchar_assign)
{
    return with_typmod(types__varchar_fit, v, true, ret);
}

static CALL(varchar_cut)
{
    return with_typmod(types__varchar_fit, v, false, ret);
}

static CALL(bpchar_assign)
{
    return with_typmod(types__bpchar_fit, v, true, ret);
}

static CALL(bpchar_cut)
{
    return with_typmod(types__bpchar_fit, v, false, ret);
}

static CALL(numeric_typmod)
{
    struct value fitted = v[0];
    TRY(types__numeric_fit(&fitted, (int32_t)v[1].i, a));
    *ret = fitted;
    return NULL;
}

static CALL(timestamp_typmod)
{
    int64_t us = 0;
    TRY(types__timestamp_fit(v[0].i, (int32_t)v[1].i, &us));
    *ret = value_int(us);
    return NULL;
}

static CALL(bool_out)
{
    *ret = value_text(v->i ? "t" : "f", 1);
    return NULL;
}

static CALL(bpchar_out)
{
    struct buf text = {0};
    type_print(type_by_oid(OID_BPCHAR), v, (int32_t)v[1].i, &text);
    *ret = types__text_of(a, &text);
    buf_done(&text);
    return NULL;
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
    TEXT_BPCHAR,
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
    BPCHAR_OUT,
    DATE_TEXT,
    TIMESTAMP_TEXT,
    TIMESTAMPTZ_TEXT,
    TEXT_DATE,
    TEXT_TIMESTAMP,
    TEXT_TIMESTAMPTZ,
    DATE_TIMESTAMP,
    TIMESTAMP_DATE,
    TIMESTAMP_TYPMOD,
    DATE_AS_TIMESTAMP,
    BYTEA_TEXT,
    TEXT_BYTEA,
    TEXT_UUID,
    TIME_TEXT,
    TEXT_TIME,
    TEXT_INTERVAL,
    TIMESTAMP_TIME,
    INTERVAL_TIME,
    TIME_INTERVAL,
};

#define ROW(from, to, fn) SCALAR1("cast", from, to, #fn, fn)
#define ROW_EMIT(from, to, e, fn) SCALAR1_EMIT("cast", from, to, e, fn)
#define ROW_TYPMOD(type, to, fn) SCALAR2("cast", type, OID_INT4, to, #fn, fn)

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
    [TEXT_BPCHAR] = ROW_EMIT(OID_TEXT, OID_BPCHAR, "rtrim($1, ' ')", text_to_bpchar),
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
    [BPCHAR_OUT] = ROW_TYPMOD(OID_BPCHAR, OID_TEXT, bpchar_out),
    [DATE_TEXT] = ROW(OID_DATE, OID_TEXT, date_to_text),
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
    [BYTEA_TEXT] = ROW(OID_BYTEA, OID_TEXT, bytea_to_text),
    [TEXT_BYTEA] = ROW(OID_TEXT, OID_BYTEA, text_to_bytea),
    [TEXT_UUID] = ROW(OID_TEXT, OID_UUID, text_to_uuid),
    [TIME_TEXT] = ROW(OID_TIME, OID_TEXT, time_to_text),
    [TEXT_TIME] = ROW(OID_TEXT, OID_TIME, text_to_time),
    [TEXT_INTERVAL] = ROW(OID_TEXT, OID_INTERVAL, text_to_interval),
    [TIMESTAMP_TIME] =
        SCALAR1("cast", OID_TIMESTAMP, OID_TIME, "timestamp_to_time", types__timestamp_to_time),
    [INTERVAL_TIME] =
        SCALAR1("cast", OID_INTERVAL, OID_TIME, "interval_to_time", types__interval_to_time),
    [TIME_INTERVAL] =
        SCALAR1("cast", OID_TIME, OID_INTERVAL, "time_to_interval", types__time_to_interval),
    /* no cast: the templates of comparisons in datetime.c call it */
    [DATE_AS_TIMESTAMP] =
        SCALAR1("cast", OID_DATE, OID_TIMESTAMP, "date_as_timestamp", types__date_as_timestamp),
};

const struct func_rows types__cast_funcs = {rows, ARRAY_LEN(rows)};

/* ---- the casts ---- */

#define I CAST_IMPLICIT
#define A CAST_ASSIGNMENT
#define E CAST_EXPLICIT
/* What PostgreSQL derives from input and output functions, for each of the string types */
#define IO(type, out, in)                                                                          \
    {OID_##type, OID_TEXT, A, out}, {OID_##type, OID_VARCHAR, A, out},                             \
        {OID_##type, OID_BPCHAR, A, out}, {OID_##type, OID_NAME, A, out},                          \
        {OID_TEXT, OID_##type, E, in}, {OID_VARCHAR, OID_##type, E, in},                           \
        {OID_BPCHAR, OID_##type, E, in},                                                           \
    {                                                                                              \
        OID_NAME, OID_##type, E, in                                                                \
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
    {OID_TEXT, OID_BPCHAR, I, &rows[TEXT_BPCHAR]},
    {OID_TEXT, OID_NAME, I, &rows[TEXT_NAME]},
    {OID_VARCHAR, OID_TEXT, I, NULL},
    {OID_VARCHAR, OID_BPCHAR, I, &rows[TEXT_BPCHAR]},
    {OID_VARCHAR, OID_NAME, I, &rows[TEXT_NAME]},
    {OID_BPCHAR, OID_TEXT, I, NULL},
    {OID_BPCHAR, OID_VARCHAR, I, NULL},
    {OID_BPCHAR, OID_NAME, I, &rows[TEXT_NAME]},
    {OID_NAME, OID_TEXT, I, NULL},
    {OID_NAME, OID_VARCHAR, A, NULL},
    {OID_NAME, OID_BPCHAR, A, &rows[TEXT_BPCHAR]},
    {OID_DATE, OID_TIMESTAMP, I, &rows[DATE_TIMESTAMP]},
    {OID_DATE, OID_TIMESTAMPTZ, I, &rows[DATE_TIMESTAMP]},
    {OID_TIMESTAMP, OID_DATE, A, &rows[TIMESTAMP_DATE]},
    {OID_TIMESTAMP, OID_TIMESTAMPTZ, I, NULL},
    {OID_TIMESTAMPTZ, OID_DATE, A, &rows[TIMESTAMP_DATE]},
    {OID_TIMESTAMPTZ, OID_TIMESTAMP, A, NULL},
    {OID_TIMESTAMP, OID_TIME, A, &rows[TIMESTAMP_TIME]},
    {OID_TIMESTAMPTZ, OID_TIME, A, &rows[TIMESTAMP_TIME]},
    {OID_INTERVAL, OID_TIME, A, &rows[INTERVAL_TIME]},
    {OID_TIME, OID_INTERVAL, I, &rows[TIME_INTERVAL]},
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
    IO(TIME, &rows[TIME_TEXT], &rows[TEXT_TIME]),
    IO(INTERVAL, NULL, &rows[TEXT_INTERVAL]),
    IO(DATE, &rows[DATE_TEXT], &rows[TEXT_DATE]),
    IO(TIMESTAMP, &rows[TIMESTAMP_TEXT], &rows[TEXT_TIMESTAMP]),
    IO(TIMESTAMPTZ, &rows[TIMESTAMPTZ_TEXT], &rows[TEXT_TIMESTAMPTZ]),
};

const struct cast *cast_find(uint32_t from, uint32_t to, enum cast_context context)
{
    for (size_t i = 0; i < ARRAY_LEN(casts); i++)
        if (casts[i].from == from && casts[i].to == to)
            return casts[i].context <= context ? &casts[i] : NULL;
    return NULL;
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
    case OID_TIME:
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
        return &rows[TIMESTAMP_TYPMOD];
    default:
        return NULL;
    }
}

const struct func *type_output_func(uint32_t type)
{
    switch (type) {
    case OID_BOOL:
        return &rows[BOOL_OUT];
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_OID:
        return &rows[INT_TEXT];
    case OID_FLOAT4:
        return &rows[FLOAT4_TEXT];
    case OID_FLOAT8:
        return &rows[FLOAT8_TEXT];
    case OID_BPCHAR:
        return &rows[BPCHAR_OUT];
    case OID_BYTEA:
        return &rows[BYTEA_TEXT];
    case OID_DATE:
        return &rows[DATE_TEXT];
    case OID_TIME:
        return &rows[TIME_TEXT];
    case OID_TIMESTAMP:
        return &rows[TIMESTAMP_TEXT];
    case OID_TIMESTAMPTZ:
        return &rows[TIMESTAMPTZ_TEXT];
    default:
        return NULL;
    }
}
