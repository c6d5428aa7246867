/*
 * What hangs on the session's time zone: conversions between timestamptz and what a local clock
 * shows, arithmetic with days (a day is not always 24 hours), AT TIME ZONE, make_timestamptz.
 *
 * Everything else about a timestamptz is a timestamp's: the same number, in UTC.
 */
#include "types/interval.h"
#include "types/zone.h"

#include <ctype.h>
#include <math.h>

static bool is_infinite(int64_t us)
{
    return us == TIMESTAMP_NEVER || us == TIMESTAMP_EVER;
}

static struct error *checked(int64_t us, struct value *ret)
{
    if (!types__timestamp_valid(us))
        return error_new(E_DATETIME_RANGE, "timestamp out of range");
    *ret = value_int(us);
    return NULL;
}

/* ---- conversions ----------------------------------------------------------------------------- */

CALL(types__timestamptz_to_timestamp)
{
    return checked(types__local_of(types__zone(), v->i), ret);
}

CALL(types__timestamp_to_timestamptz)
{
    return checked(types__utc_of(types__zone(), v->i), ret);
}

/* For comparing: what is beyond the range is the last one before infinity. */
CALL(types__timestamp_as_timestamptz)
{
    int64_t us = types__utc_of(types__zone(), v->i);
    *ret = value_int(types__timestamp_valid(us) ? us : v->i);
    return NULL;
}

CALL(types__date_as_timestamptz)
{
    struct value local;
    TRY(types__date_as_timestamp(v, 1, a, &local));
    return types__timestamp_as_timestamptz(&local, 1, a, ret);
}

CALL(types__timestamptz_to_date)
{
    const struct value local = value_int(types__local_of(types__zone(), v->i));
    return types__timestamp_to_date(&local, 1, a, ret);
}

CALL(types__date_to_timestamptz)
{
    struct value local;
    TRY(types__date_to_timestamp(v, 1, a, &local));
    *ret = value_int(types__utc_of(types__zone(), local.i));
    return types__timestamp_valid(ret->i)
               ? NULL
               : error_new(E_DATETIME_RANGE, "date out of range for timestamp");
}

CALL(types__timestamptz_to_time)
{
    const struct value local = value_int(types__local_of(types__zone(), v->i));
    return types__timestamp_to_time(&local, 1, a, ret);
}

/* ---- comparisons ----------------------------------------------------------------------------- */

#define DEFINE_MIXED(name, op)                                                                     \
    static CALL(timestamp_##name##_tz)                                                             \
    {                                                                                              \
        struct value x;                                                                            \
        TRY(types__timestamp_as_timestamptz(&v[0], 1, a, &x));                                     \
        *ret = value_int(x.i op v[1].i);                                                           \
        return NULL;                                                                               \
    }                                                                                              \
    static CALL(tz_##name##_timestamp)                                                             \
    {                                                                                              \
        struct value x;                                                                            \
        TRY(types__timestamp_as_timestamptz(&v[1], 1, a, &x));                                     \
        *ret = value_int(v[0].i op x.i);                                                           \
        return NULL;                                                                               \
    }                                                                                              \
    static CALL(date_##name##_tz)                                                                  \
    {                                                                                              \
        struct value x;                                                                            \
        TRY(types__date_as_timestamptz(&v[0], 1, a, &x));                                          \
        *ret = value_int(x.i op v[1].i);                                                           \
        return NULL;                                                                               \
    }                                                                                              \
    static CALL(tz_##name##_date)                                                                  \
    {                                                                                              \
        struct value x;                                                                            \
        TRY(types__date_as_timestamptz(&v[1], 1, a, &x));                                          \
        *ret = value_int(v[0].i op x.i);                                                           \
        return NULL;                                                                               \
    }

DEFINE_MIXED(eq, ==)
DEFINE_MIXED(ne, !=)
DEFINE_MIXED(lt, <)
DEFINE_MIXED(le, <=)
DEFINE_MIXED(gt, >)
DEFINE_MIXED(ge, >=)

/* ---- arithmetic ------------------------------------------------------------------------------ */

/* Months and days go by the local clock, each for itself, and time by the one of the physicists. */
static struct error *move(const struct zone *z, int64_t us, const struct interval *by,
                          struct value *ret)
{
    const struct interval months = {.months = by->months}, days = {.days = by->days},
                          time = {.us = by->us};
    if (by->months) {
        TRY(types__timestamp_move(types__local_of(z, us), &months, ret));
        us = types__utc_of(z, ret->i);
    }
    if (by->days) {
        TRY(types__timestamp_move(types__local_of(z, us), &days, ret));
        us = types__utc_of(z, ret->i);
    }
    return types__timestamp_move(us, &time, ret);
}

CALL(types__timestamptz_plus)
{
    struct interval by;
    TRY(interval_of(&v[1], &by));
    return move(types__zone(), v[0].i, &by, ret);
}

static CALL(plus_tz)
{
    const struct value swapped[2] = {v[1], v[0]};
    return types__timestamptz_plus(swapped, 2, a, ret);
}

static CALL(tz_minus)
{
    struct interval back;
    TRY(interval_back(v[0].i, &v[1], &back));
    return move(types__zone(), v[0].i, &back, ret);
}

static CALL(tz_age)
{
    const struct value local[2] = {value_int(types__local_of(types__zone(), v[0].i)),
                                   value_int(types__local_of(types__zone(), v[1].i))};
    return types__timestamp_age(local, 2, a, ret);
}

/* ---- AT TIME ZONE ---------------------------------------------------------------------------- */

struct error *types__zone_of(const struct value *name, const struct zone **ret)
{
    *ret = zone_find(name->s.p, name->s.n);
    if (*ret)
        return NULL;
    return error_new("22023", "time zone \"%.*s\" not recognized", (int)MIN(name->s.n, 255),
                     name->s.p);
}

static CALL(local_by_name)
{
    const struct zone *z;
    *ret = v[1];
    if (is_infinite(v[1].i)) /* in whatever zone */
        return NULL;
    TRY(types__zone_of(&v[0], &z));
    return checked(types__local_of(z, v[1].i), ret);
}

static CALL(utc_by_name)
{
    const struct zone *z;
    *ret = v[1];
    if (is_infinite(v[1].i)) /* in whatever zone */
        return NULL;
    TRY(types__zone_of(&v[0], &z));
    return checked(types__utc_of(z, v[1].i), ret);
}

struct error *types__interval_offset(const struct value *v, int64_t *ret_us)
{
    struct interval i;
    TRY(interval_of(v, &i));
    if (i.months || i.days)
        return error_new("22023", "interval time zone \"%.*s\" must not include months or days",
                         (int)v->s.n, v->s.p);
    *ret_us = i.us / SECOND_US * SECOND_US;
    return NULL;
}

static struct error *shift(int64_t us, int64_t by, struct value *ret)
{
    if (!is_infinite(us) && __builtin_add_overflow(us, by, &us))
        return error_new(E_DATETIME_RANGE, "timestamp out of range");
    return checked(us, ret);
}

/* PostgreSQL's offset is an int of seconds: what is more wraps around. */
static int64_t wrapped(int64_t us)
{
    return (int32_t)(uint32_t)(us / SECOND_US) * SECOND_US;
}

static CALL(local_by_interval)
{
    int64_t offset = 0;
    *ret = v[1];
    if (is_infinite(v[1].i))
        return NULL;
    TRY(types__interval_offset(&v[0], &offset));
    return shift(v[1].i, wrapped(offset), ret);
}

static CALL(utc_by_interval)
{
    int64_t offset = 0;
    *ret = v[1];
    if (is_infinite(v[1].i))
        return NULL;
    TRY(types__interval_offset(&v[0], &offset));
    return shift(v[1].i, wrapped(-offset), ret);
}

/* date_trunc(unit, moment, zone) */
static CALL(trunc_in_zone)
{
    const struct zone *z = NULL;
    if (!is_infinite(v[1].i))
        TRY(types__zone_of(&v[2], &z));
    struct style style = *types__style();
    style.zone = z;
    const struct style *before = style_use(&style);
    struct error *e = types__trunc_timestamptz(v, 2, a, ret);
    style_use(before);
    return e;
}

/* ---- making ---------------------------------------------------------------------------------- */

static CALL(make_timestamp)
{
    struct value day, time;
    TRY(types__make_day(v, v[0].i, &day));
    TRY(types__make_time(v + 3, 3, a, &time));
    TRY(types__date_to_timestamp(&day, 1, a, ret));
    return shift(ret->i, time.i, ret);
}

static CALL(make_timestamptz)
{
    TRY(make_timestamp(v, 6, a, ret));
    const struct value local = *ret;
    return types__timestamp_to_timestamptz(&local, 1, a, ret);
}

/* Unlike in POSIX, numbers count to the east here: +2 is what an offset behind a time is. */
static CALL(make_timestamptz_in)
{
    const struct zone *z;
    bool fits;
    int32_t seconds;
    const char *name = arena_strndup(a, v[6].s.p, v[6].s.n);
    TRY(make_timestamp(v, 6, a, ret));
    if (isdigit((unsigned char)*name))
        return error_hint(
            error_new("22023", "invalid input syntax for type numeric time zone: \"%s\"", name),
            "Numeric time zones must have \"-\" or \"+\" as first character.");
    if (types__offset_parse(name, &fits, &seconds))
        return fits ? shift(ret->i, -seconds * SECOND_US, ret)
                    : error_new("22023", "numeric time zone \"%s\" out of range", name);
    TRY(types__zone_of(&v[6], &z));
    return checked(types__utc_of(z, ret->i), ret);
}

/* ---- rows ------------------------------------------------------------------------------------ */

#define T OID_TEXT
#define I OID_INTERVAL
#define D OID_DATE
#define TS OID_TIMESTAMP
#define TZ OID_TIMESTAMPTZ
#define I4 OID_INT4

#define MIXED(op, name)                                                                            \
    BINARY_EMIT(op, TS, TZ, OID_BOOL, "(timestamp_as_timestamptz($1) " op " $2)",                  \
                timestamp_##name##_tz),                                                            \
        BINARY_EMIT(op, TZ, TS, OID_BOOL, "($1 " op " timestamp_as_timestamptz($2))",              \
                    tz_##name##_timestamp),                                                        \
        BINARY_EMIT(op, D, TZ, OID_BOOL, "(date_as_timestamptz($1) " op " $2)", date_##name##_tz), \
        BINARY_EMIT(op, TZ, D, OID_BOOL, "($1 " op " date_as_timestamptz($2))", tz_##name##_date)

static const struct func rows[] = {
    MIXED("=", eq),
    MIXED("<>", ne),
    MIXED("<", lt),
    MIXED("<=", le),
    MIXED(">", gt),
    MIXED(">=", ge),
    BINARY("+", TZ, I, TZ, "timestamptz_plus", types__timestamptz_plus),
    BINARY("+", I, TZ, TZ, "plus_timestamptz", plus_tz),
    BINARY("-", TZ, I, TZ, "timestamptz_minus", tz_minus),
    SCALAR2("age", TZ, TZ, I, "timestamptz_age", tz_age),
    SCALAR2("timezone", T, TS, TZ, "utc_by_name", utc_by_name),
    SCALAR2("timezone", T, TZ, TS, "local_by_name", local_by_name),
    SCALAR2("timezone", I, TZ, TS, "local_by_interval", local_by_interval),
    SCALAR2("timezone", I, TS, TZ, "utc_by_interval", utc_by_interval),
    SCALAR3("date_trunc", T, TZ, T, TZ, "trunc_in_zone", trunc_in_zone),
    {.name = "make_timestamp",
     .kind = FUNC_SCALAR,
     .nargs = 6,
     .args = {I4, I4, I4, I4, I4, OID_FLOAT8},
     .result = TS,
     .strict = true,
     .sqlite_name = "make_timestamp",
     .call = make_timestamp},
    {.name = "make_timestamptz",
     .kind = FUNC_SCALAR,
     .nargs = 6,
     .args = {I4, I4, I4, I4, I4, OID_FLOAT8},
     .result = TZ,
     .strict = true,
     .sqlite_name = "make_timestamptz",
     .call = make_timestamptz},
    {.name = "make_timestamptz",
     .kind = FUNC_SCALAR,
     .nargs = 7,
     .args = {I4, I4, I4, I4, I4, OID_FLOAT8, T},
     .result = TZ,
     .strict = true,
     .sqlite_name = "make_timestamptz_in",
     .call = make_timestamptz_in},
};

const struct func_rows types__zone_funcs = {rows, ARRAY_LEN(rows)};
