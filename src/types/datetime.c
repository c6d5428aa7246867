/*
 * Dates and timestamps: conversions, arithmetic with days, comparisons across units, the clock.
 *
 * Comparisons within a type are SQLite's own (compare.c). A date against a timestamp is one
 * multiplication more, in a function around the date's side, so that an index on the timestamp's
 * side is used. What hangs on a time zone is in zone_func.c.
 *
 * now(), transaction_timestamp() and statement_timestamp() have no rows here: what they give is the
 * session's, and the analyser makes a parameter of them, so that every server that runs a part of
 * the statement sees the same time. clock_timestamp() is the clock of whoever evaluates it.
 */
#include "types/types_int.h"

/* ---- conversions --------------------------------------------------------------------------- */

/* Never infinite for a finite date: what is beyond the last timestamp is just before infinity. */
static int64_t as_timestamp(int64_t days)
{
    if (days == DATE_NEVER)
        return TIMESTAMP_NEVER;
    if (days == DATE_EVER)
        return TIMESTAMP_EVER;
    int64_t us;
    return __builtin_mul_overflow(days, DAY_US, &us) ? TIMESTAMP_EVER - 1 : us;
}

CALL(types__date_as_timestamp)
{
    *ret = value_int(as_timestamp(v->i));
    return NULL;
}

CALL(types__date_to_timestamp)
{
    int64_t us = as_timestamp(v->i);
    if (!types__timestamp_valid(us))
        return error_new(E_DATETIME_RANGE, "date out of range for timestamp");
    *ret = value_int(us);
    return NULL;
}

CALL(types__timestamp_to_date)
{
    *ret = value_int(v->i == TIMESTAMP_NEVER  ? DATE_NEVER
                     : v->i == TIMESTAMP_EVER ? DATE_EVER
                                              : types__timestamp_days(v->i));
    return NULL;
}

/* ---- days ---------------------------------------------------------------------------------- */

/* Arguments are cut to an int4 first: a region may send anything, and nothing overflows then. */
static int32_t day_of(const struct value *v)
{
    return (int32_t)v->i;
}

static bool is_infinite(int64_t days)
{
    return days == DATE_NEVER || days == DATE_EVER;
}

static struct error *move_days(int64_t days, int64_t by, struct value *ret)
{
    if (!is_infinite(days)) {
        days += by;
        if (is_infinite(days) || !types__date_valid(days))
            return error_new(E_DATETIME_RANGE, "date out of range");
    }
    *ret = value_int(days);
    return NULL;
}

static CALL(date_plus)
{
    return move_days(day_of(&v[0]), day_of(&v[1]), ret);
}

static CALL(plus_date)
{
    return move_days(day_of(&v[1]), day_of(&v[0]), ret);
}

static CALL(date_minus)
{
    return move_days(day_of(&v[0]), -(int64_t)day_of(&v[1]), ret);
}

static CALL(date_distance)
{
    int64_t x = day_of(&v[0]), y = day_of(&v[1]);
    if (is_infinite(x) || is_infinite(y))
        return error_new(E_DATETIME_RANGE, "cannot subtract infinite dates");
    *ret = value_int(x - y); /* the range of dates fits into an int4 */
    return NULL;
}

static CALL(date_finite)
{
    *ret = value_int(!is_infinite(v->i));
    return NULL;
}

static CALL(timestamp_finite)
{
    *ret = value_int(v->i != TIMESTAMP_NEVER && v->i != TIMESTAMP_EVER);
    return NULL;
}

static CALL(clock_now)
{
    *ret = value_int(types_now());
    return NULL;
}

/* ---- dates against timestamps --------------------------------------------------------------- */

#define DEFINE_MIXED(name, op)                                                                     \
    static CALL(date_##name##_timestamp)                                                           \
    {                                                                                              \
        *ret = value_int(as_timestamp(v[0].i) op v[1].i);                                          \
        return NULL;                                                                               \
    }                                                                                              \
    static CALL(timestamp_##name##_date)                                                           \
    {                                                                                              \
        *ret = value_int(v[0].i op as_timestamp(v[1].i));                                          \
        return NULL;                                                                               \
    }

DEFINE_MIXED(eq, ==)
DEFINE_MIXED(ne, !=)
DEFINE_MIXED(lt, <)
DEFINE_MIXED(le, <=)
DEFINE_MIXED(gt, >)
DEFINE_MIXED(ge, >=)

/* ---- rows ---------------------------------------------------------------------------------- */

#define MIXED(op, name, T)                                                                         \
    BINARY_EMIT(op, OID_DATE, T, OID_BOOL, "(date_as_timestamp($1) " op " $2)",                    \
                date_##name##_timestamp),                                                          \
        BINARY_EMIT(op, T, OID_DATE, OID_BOOL, "($1 " op " date_as_timestamp($2))",                \
                    timestamp_##name##_date)

#define SIX_MIXED(T)                                                                               \
    MIXED("=", eq, T), MIXED("<>", ne, T), MIXED("<", lt, T), MIXED("<=", le, T),                  \
        MIXED(">", gt, T), MIXED(">=", ge, T)

static const struct func rows[] = {
    SIX_MIXED(OID_TIMESTAMP),
    BINARY("+", OID_DATE, OID_INT4, OID_DATE, "date_plus", date_plus),
    BINARY("+", OID_INT4, OID_DATE, OID_DATE, "plus_date", plus_date),
    BINARY("-", OID_DATE, OID_INT4, OID_DATE, "date_minus", date_minus),
    BINARY("-", OID_DATE, OID_DATE, OID_INT4, "date_distance", date_distance),
    SCALAR1("isfinite", OID_DATE, OID_BOOL, "date_finite", date_finite),
    SCALAR1("isfinite", OID_TIMESTAMP, OID_BOOL, "timestamp_finite", timestamp_finite),
    SCALAR1("isfinite", OID_TIMESTAMPTZ, OID_BOOL, "timestamp_finite", timestamp_finite),
    {.name = "clock_timestamp",
     .kind = FUNC_SCALAR,
     .result = OID_TIMESTAMPTZ,
     .volatile_ = true,
     .sqlite_name = "clock_timestamp",
     .call = clock_now},
};

const struct func_rows types__datetime_funcs = {rows, ARRAY_LEN(rows)};
