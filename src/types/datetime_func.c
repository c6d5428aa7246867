/*
 * Functions of dates, times and intervals that are not operators: date_bin, make_interval,
 * OVERLAPS, timestamp(date, time), timeofday.
 */
#include "types/interval.h"
#include "types/zone.h"

#include <math.h>
#include <time.h>

static bool is_infinite(int64_t us)
{
    return us == TIMESTAMP_NEVER || us == TIMESTAMP_EVER;
}

static struct value null_value(void)
{
    return (struct value){.kind = VALUE_NULL};
}

/* ---- date_bin(stride, moment, origin) ---------------------------------------------------------
 */

static CALL(date_bin)
{
    struct interval stride;
    int64_t step = 0, distance;
    if (is_infinite(v[1].i)) {
        *ret = v[1];
        return NULL;
    }
    if (is_infinite(v[2].i))
        return error_new(E_DATETIME_RANGE, "origin out of range");
    TRY(interval_of(&v[0], &stride));
    if (stride.months)
        return error_new(E_UNSUPPORTED,
                         "timestamps cannot be binned into intervals containing months or years");
    if (__builtin_mul_overflow(stride.days, DAY_US, &step) ||
        __builtin_add_overflow(step, stride.us, &step) ||
        __builtin_sub_overflow(v[1].i, v[2].i, &distance))
        return interval_out_of_range();
    if (step <= 0)
        return error_new(E_DATETIME_RANGE, "stride must be greater than zero");
    int64_t rest = distance % step, at = v[1].i - rest;
    if (rest < 0 && __builtin_sub_overflow(at, step, &at))
        return error_new(E_DATETIME_RANGE, "timestamp out of range");
    if (!types__timestamp_valid(at) || is_infinite(at))
        return error_new(E_DATETIME_RANGE, "timestamp out of range");
    *ret = value_int(at);
    return NULL;
}

/* ---- make_interval(years, months, weeks, days, hours, mins, secs) -------------------------------
 */

/* Too many months, days or seconds start again at the other end, as in PostgreSQL 15. */
static int32_t wrapped(int64_t x)
{
    return (int32_t)(uint32_t)(uint64_t)x;
}

static CALL(make_interval)
{
    struct interval i = {.months = wrapped((int32_t)v[0].i * INT64_C(12) + (int32_t)v[1].i),
                         .days = wrapped((int32_t)v[2].i * INT64_C(7) + (int32_t)v[3].i)};
    double us = rint(v[6].r * (double)SECOND_US);
    int64_t rest = (int32_t)v[4].i * 3600 * SECOND_US + (int32_t)v[5].i * 60 * SECOND_US;
    if (!isfinite(v[6].r))
        return interval_out_of_range();
    int64_t seconds = fabs(us) < 0x1p63 ? (int64_t)us : INT64_MIN; /* what x86 makes of it there */
    i.us = (int64_t)((uint64_t)rest + (uint64_t)seconds);
    *ret = interval_value(&i, a);
    return NULL;
}

/* ---- (start, end) OVERLAPS (start, end)
 * ---------------------------------------------------------- */

/* A period whose end is before its start is turned round; of one with a NULL, the other end is the
 * start. */
struct period {
    struct value start, end;
};

static struct period period_of(struct value start, struct value end)
{
    bool turn = start.kind == VALUE_NULL || (end.kind != VALUE_NULL && end.i < start.i);
    return turn ? (struct period){end, start} : (struct period){start, end};
}

static struct value overlap(struct period x, struct period y)
{
    if (x.start.kind == VALUE_NULL || y.start.kind == VALUE_NULL)
        return null_value();
    if (x.start.i == y.start.i)
        return x.end.kind == VALUE_NULL || y.end.kind == VALUE_NULL ? null_value() : value_int(1);
    struct period first = x.start.i < y.start.i ? x : y, second = x.start.i < y.start.i ? y : x;
    if (first.end.kind == VALUE_NULL)
        return null_value();
    if (second.start.i < first.end.i)
        return value_int(1);
    return second.end.kind == VALUE_NULL ? null_value() : value_int(0);
}

static CALL(overlaps)
{
    *ret = overlap(period_of(v[0], v[1]), period_of(v[2], v[3]));
    return NULL;
}

/* An end that is given as a length: the moment or the time of day there */
typedef struct error *move_fn(const struct value *v, int n, struct arena *a, struct value *ret);

static struct error *end_of(const struct value *v, move_fn *move, struct arena *a,
                            struct value *ret)
{
    *ret = null_value();
    return v[0].kind == VALUE_NULL || v[1].kind == VALUE_NULL ? NULL : move(v, 2, a, ret);
}

static struct error *overlaps_of(const struct value *v, move_fn *first, move_fn *second,
                                 struct arena *a, struct value *ret)
{
    struct value ends[4] = {v[0], v[1], v[2], v[3]};
    if (first)
        TRY(end_of(v, first, a, &ends[1]));
    if (second)
        TRY(end_of(v + 2, second, a, &ends[3]));
    return overlaps(ends, 4, a, ret);
}

#define OVERLAPS(type, move)                                                                       \
    static CALL(type##_overlaps_first)                                                             \
    {                                                                                              \
        return overlaps_of(v, move, NULL, a, ret);                                                 \
    }                                                                                              \
    static CALL(type##_overlaps_second)                                                            \
    {                                                                                              \
        return overlaps_of(v, NULL, move, a, ret);                                                 \
    }                                                                                              \
    static CALL(type##_overlaps_both)                                                              \
    {                                                                                              \
        return overlaps_of(v, move, move, a, ret);                                                 \
    }

OVERLAPS(timestamp, types__timestamp_plus)
OVERLAPS(timestamptz, types__timestamptz_plus)
OVERLAPS(time, types__time_plus)

/* ---- others
 * -------------------------------------------------------------------------------------- */

static CALL(date_and_time)
{
    TRY(types__date_to_timestamp(v, 1, a, ret));
    if (is_infinite(ret->i))
        return NULL;
    ret->i += v[1].i;
    return types__timestamp_valid(ret->i) ? NULL
                                          : error_new(E_DATETIME_RANGE, "timestamp out of range");
}

static CALL(date_and_time_here)
{
    struct value local;
    TRY(date_and_time(v, 2, a, &local));
    return types__timestamp_to_timestamptz(&local, 1, a, ret);
}

/* Fri Nov 27 10:00:00.123456 2026 CET */
static CALL(timeofday)
{
    static const char *const weekdays[] = {"Sat", "Sun", "Mon", "Tue", "Wed", "Thu", "Fri"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    _cleanup_(buf_done) struct buf text = {0};
    int64_t utc = types_now(), local = types__local_of(types__zone(), utc), year;
    int64_t days = types__timestamp_days(local), us = local - days * DAY_US;
    int month, day;
    types__civil_of(days, &year, &month, &day);
    buf_printf(&text, "%s %s %02d %02d:%02d:%02d.%06d %04d ", weekdays[(days % 7 + 7) % 7],
               months[month - 1], day, (int)(us / (3600 * SECOND_US)),
               (int)(us / (60 * SECOND_US) % 60), (int)(us / SECOND_US % 60), (int)(us % SECOND_US),
               (int)year);
    types__zone_abbreviation(types__zone(), utc, &text);
    *ret = types__text_of(a, &text);
    return NULL;
}

#define I OID_INTERVAL
#define TS OID_TIMESTAMP
#define TZ OID_TIMESTAMPTZ
#define I4 OID_INT4
#define FOUR(x, y, z, w, sql, fn)                                                                  \
    {                                                                                              \
        .name = "overlaps", .kind = FUNC_SCALAR, .nargs = 4, .args = {x, y, z, w},                 \
        .result = OID_BOOL, .sqlite_name = sql, .call = fn                                         \
    }
#define OVERLAPS_ROWS(t, name)                                                                     \
    FOUR(t, t, t, t, "overlaps", overlaps),                                                        \
        FOUR(t, I, t, t, #name "_overlaps_first", name##_overlaps_first),                          \
        FOUR(t, t, t, I, #name "_overlaps_second", name##_overlaps_second),                        \
        FOUR(t, I, t, I, #name "_overlaps_both", name##_overlaps_both)

static const struct func rows[] = {
    SCALAR3("date_bin", I, TS, TS, TS, "date_bin", date_bin),
    SCALAR3("date_bin", I, TZ, TZ, TZ, "date_bin", date_bin),
    {.name = "make_interval",
     .kind = FUNC_SCALAR,
     .nargs = 7,
     .args = {I4, I4, I4, I4, I4, I4, OID_FLOAT8},
     .result = I,
     .strict = true,
     .sqlite_name = "make_interval",
     .call = make_interval},
    OVERLAPS_ROWS(TS, timestamp),
    OVERLAPS_ROWS(TZ, timestamptz),
    OVERLAPS_ROWS(OID_TIME, time),
    FOUR(OID_TIMETZ, OID_TIMETZ, OID_TIMETZ, OID_TIMETZ, "overlaps", overlaps),
    SCALAR2("timestamp", OID_DATE, OID_TIME, TS, "date_and_time", date_and_time),
    SCALAR2("timestamptz", OID_DATE, OID_TIME, TZ, "date_and_time_here", date_and_time_here),
    {.name = "timeofday",
     .kind = FUNC_SCALAR,
     .result = OID_TEXT,
     .volatile_ = true,
     .sqlite_name = "timeofday",
     .call = timeofday},
};

const struct func_rows types__datetime_more_funcs = {rows, ARRAY_LEN(rows)};
