/*
 * interval and time: arithmetic among themselves and with dates and timestamps, and their
 * aggregates. A time of day is microseconds since midnight, an INTEGER in SQLite; 24:00:00 exists.
 */
#include "types/interval.h"

#include <math.h>

enum { DAYS_IN_MONTH = 30, SECONDS_IN_DAY = 86400 };

struct error *interval_out_of_range(void)
{
    return error_new(E_DATETIME_RANGE, "interval out of range");
}

static struct error *timestamp_out_of_range(void)
{
    return error_new(E_DATETIME_RANGE, "timestamp out of range");
}

/* ---- among intervals ------------------------------------------------------------------------ */

static __int128 span_of(const struct interval *i)
{
    return i->us + ((__int128)i->months * DAYS_IN_MONTH + i->days) * DAY_US;
}

int interval_compare(const struct interval *x, const struct interval *y)
{
    __int128 a = span_of(x), b = span_of(y);
    return (a > b) - (a < b);
}

struct error *interval_add(const struct interval *x, const struct interval *y, struct interval *ret)
{
    struct interval sum;
    if (__builtin_add_overflow(x->months, y->months, &sum.months) ||
        __builtin_add_overflow(x->days, y->days, &sum.days) ||
        __builtin_add_overflow(x->us, y->us, &sum.us))
        return interval_out_of_range();
    *ret = sum;
    return NULL;
}

struct error *interval_negate(const struct interval *x, struct interval *ret)
{
    struct interval n;
    if (__builtin_sub_overflow(0, x->months, &n.months) ||
        __builtin_sub_overflow(0, x->days, &n.days) || __builtin_sub_overflow(0, x->us, &n.us))
        return interval_out_of_range();
    *ret = n;
    return NULL;
}

static double to_microseconds(double seconds)
{
    return rint(seconds * 1e6) / 1e6;
}

static bool fits32(double x)
{
    return x >= (double)INT32_MIN && x <= (double)INT32_MAX;
}

/* The three parts multiplied; what is left of a month goes to days (30 of them), what is left of
 * days to time. */
static struct error *combine(double months, double days, double us, struct interval *ret)
{
    if (!fits32(months) || !fits32(days))
        return interval_out_of_range();
    struct interval r = {.months = (int32_t)months, .days = (int32_t)days};
    double month_days = to_microseconds((months - r.months) * DAYS_IN_MONTH);
    double seconds =
        to_microseconds((days - r.days + month_days - (int)month_days) * SECONDS_IN_DAY);
    double day_sum = r.days;
    if (fabs(seconds) >= SECONDS_IN_DAY) {
        day_sum += (int)(seconds / SECONDS_IN_DAY);
        seconds -= (int)(seconds / SECONDS_IN_DAY) * SECONDS_IN_DAY;
    }
    day_sum += (int)month_days;
    double time = rint(us + seconds * 1e6);
    if (!fits32(day_sum) || !(time >= -9223372036854775808.0 && time < 9223372036854775808.0))
        return interval_out_of_range();
    r.days = (int32_t)day_sum;
    r.us = (int64_t)time;
    *ret = r;
    return NULL;
}

struct error *interval_divide(const struct interval *x, double by, struct interval *ret)
{
    if (by == 0)
        return error_new(E_DIVISION_BY_ZERO, "division by zero");
    return combine(x->months / by, x->days / by, (double)x->us / by, ret);
}

/* Reads two intervals, calls, and makes a value of the result. */
static struct error *of_two(const struct value *v,
                            struct error *(*f)(const struct interval *, const struct interval *,
                                               struct interval *),
                            struct arena *a, struct value *ret)
{
    struct interval x, y, r;
    TRY(interval_of(&v[0], &x));
    TRY(interval_of(&v[1], &y));
    TRY(f(&x, &y, &r));
    *ret = interval_value(&r, a);
    return NULL;
}

static struct error *subtract(const struct interval *x, const struct interval *y,
                              struct interval *ret)
{
    struct interval n;
    TRY(interval_negate(y, &n));
    return interval_add(x, &n, ret);
}

static CALL(interval_plus)
{
    return of_two(v, interval_add, a, ret);
}

static CALL(interval_minus)
{
    return of_two(v, subtract, a, ret);
}

static CALL(interval_unary_minus)
{
    struct interval x, r;
    TRY(interval_of(v, &x));
    TRY(interval_negate(&x, &r));
    *ret = interval_value(&r, a);
    return NULL;
}

struct error *interval_multiply(const struct interval *x, double by, struct interval *ret)
{
    return combine(x->months * by, x->days * by, (double)x->us * by, ret);
}

static struct error *times(const struct value *span, double by, struct arena *a, struct value *ret)
{
    struct interval x, r;
    TRY(interval_of(span, &x));
    TRY(interval_multiply(&x, by, &r));
    *ret = interval_value(&r, a);
    return NULL;
}

static CALL(interval_times)
{
    return times(&v[0], v[1].r, a, ret);
}

static CALL(times_interval)
{
    return times(&v[1], v[0].r, a, ret);
}

static CALL(interval_over)
{
    struct interval x, r;
    TRY(interval_of(&v[0], &x));
    TRY(interval_divide(&x, v[1].r, &r));
    *ret = interval_value(&r, a);
    return NULL;
}

/* ---- justify -------------------------------------------------------------------------------- */

/* Moves whole `unit`s from the small part to the large one, and gives both one sign. */
static void carry(int64_t *small, int64_t unit, int64_t *large)
{
    int64_t whole = *small / unit;
    *small -= whole * unit;
    *large += whole;
    if (*large > 0 && *small < 0) {
        *small += unit;
        --*large;
    } else if (*large < 0 && *small > 0) {
        *small -= unit;
        ++*large;
    }
}

static struct error *justify(const struct value *v, bool hours, bool to_months, struct arena *a,
                             struct value *ret)
{
    struct interval x;
    TRY(interval_of(v, &x));
    int64_t us = x.us, days = x.days, months = x.months;
    if (hours)
        carry(&us, DAY_US, &days);
    if (to_months)
        carry(&days, DAYS_IN_MONTH, &months);
    if (hours && to_months) { /* all three with one sign */
        if (months > 0 && (days < 0 || (days == 0 && us < 0))) {
            days += DAYS_IN_MONTH;
            months--;
        } else if (months < 0 && (days > 0 || (days == 0 && us > 0))) {
            days -= DAYS_IN_MONTH;
            months++;
        }
        carry(&us, DAY_US, &days);
    }
    if (days > INT32_MAX || days < INT32_MIN || months > INT32_MAX || months < INT32_MIN)
        return interval_out_of_range();
    x = (struct interval){.months = (int32_t)months, .days = (int32_t)days, .us = us};
    *ret = interval_value(&x, a);
    return NULL;
}

static CALL(justify_hours)
{
    return justify(v, true, false, a, ret);
}

static CALL(justify_days)
{
    return justify(v, false, true, a, ret);
}

static CALL(justify_interval)
{
    return justify(v, true, true, a, ret);
}

static CALL(interval_finite)
{
    *ret = value_int(1);
    return NULL;
}

/* ---- with timestamps and dates -------------------------------------------------------------- */

static bool is_infinite(int64_t us)
{
    return us == TIMESTAMP_NEVER || us == TIMESTAMP_EVER;
}

/* False: there is no such moment. What is on the way has to be one, too. */
static bool moment_of(int64_t days, int64_t time, int64_t *ret)
{
    return !__builtin_mul_overflow(days, DAY_US, ret) && !__builtin_add_overflow(*ret, time, ret) &&
           !is_infinite(*ret) && types__timestamp_valid(*ret);
}

struct error *types__timestamp_move(int64_t us, const struct interval *by, struct value *ret)
{
    if (is_infinite(us)) {
        *ret = value_int(us);
        return NULL;
    }
    int64_t days = types__timestamp_days(us), time = us - days * DAY_US;
    if (by->months) {
        int64_t year;
        int month, day;
        types__civil_of(days, &year, &month, &day);
        int64_t months = year * MONTHS_IN_YEAR + month - 1 + by->months;
        year = months / MONTHS_IN_YEAR - (months % MONTHS_IN_YEAR < 0);
        month = (int)(months - year * MONTHS_IN_YEAR) + 1;
        days = types__days_of(year, month, MIN(day, types__month_length(year, month)));
    }
    int64_t sum = us;
    if ((by->months && !moment_of(days, time, &sum)) ||
        (by->days && !moment_of(days + by->days, time, &sum)) ||
        __builtin_add_overflow(sum, by->us, &sum) || is_infinite(sum) ||
        !types__timestamp_valid(sum))
        return timestamp_out_of_range();
    *ret = value_int(sum);
    return NULL;
}

struct error *interval_back(int64_t us, const struct value *by, struct interval *ret)
{
    struct interval x, n = {0};
    TRY(interval_of(by, &x));
    struct error *e = is_infinite(us) ? NULL : interval_negate(&x, &n);
    error_free(e);
    if (e)
        return timestamp_out_of_range();
    *ret = n;
    return NULL;
}

static struct error *move_back(int64_t us, const struct value *by, struct value *ret)
{
    struct interval n;
    TRY(interval_back(us, by, &n));
    return types__timestamp_move(us, &n, ret);
}

CALL(types__timestamp_plus)
{
    struct interval by;
    TRY(interval_of(&v[1], &by));
    return types__timestamp_move(v[0].i, &by, ret);
}

static CALL(plus_timestamp)
{
    struct interval by;
    TRY(interval_of(&v[0], &by));
    return types__timestamp_move(v[1].i, &by, ret);
}

static CALL(timestamp_minus)
{
    return move_back(v[0].i, &v[1], ret);
}

static CALL(date_plus_interval)
{
    struct interval by;
    struct value us;
    TRY(types__date_to_timestamp(&v[0], 1, a, &us));
    TRY(interval_of(&v[1], &by));
    return types__timestamp_move(us.i, &by, ret);
}

static CALL(interval_plus_date)
{
    const struct value swapped[2] = {v[1], v[0]};
    return date_plus_interval(swapped, 2, a, ret);
}

static CALL(date_minus_interval)
{
    struct value us;
    TRY(types__date_to_timestamp(&v[0], 1, a, &us));
    return move_back(us.i, &v[1], ret);
}

/* Days and time between two moments. */
static CALL(timestamp_distance)
{
    struct interval r = {0};
    int64_t days = 0;
    if (is_infinite(v[0].i) || is_infinite(v[1].i))
        return error_new(E_DATETIME_RANGE, "cannot subtract infinite timestamps");
    if (__builtin_sub_overflow(v[0].i, v[1].i, &r.us))
        return interval_out_of_range();
    carry(&r.us, DAY_US, &days);
    r.days = (int32_t)days;
    *ret = interval_value(&r, a);
    return NULL;
}

/* Years, months, days and time between two moments, as a person counts them. */
CALL(types__timestamp_age)
{
    if (is_infinite(v[0].i) || is_infinite(v[1].i))
        return timestamp_out_of_range();
    bool back = v[0].i < v[1].i;
    int64_t late = MAX(v[0].i, v[1].i), early = MIN(v[0].i, v[1].i);
    int64_t late_days = types__timestamp_days(late), early_days = types__timestamp_days(early);
    int64_t time = late - late_days * DAY_US - (early - early_days * DAY_US);
    int64_t late_year, early_year;
    int late_month, late_day, early_month, early_day;
    types__civil_of(late_days, &late_year, &late_month, &late_day);
    types__civil_of(early_days, &early_year, &early_month, &early_day);
    int64_t months = (late_year - early_year) * MONTHS_IN_YEAR + late_month - early_month;
    int days = late_day - early_day;
    if (time < 0) {
        time += DAY_US;
        days--;
    }
    if (days < 0) { /* the days of the month in which the span begins, seen from the argument */
        days += types__month_length(early_year, early_month);
        months--;
    }
    struct interval r = {.months = (int32_t)months, .days = days, .us = time};
    if (back)
        TRY(interval_negate(&r, &r));
    *ret = interval_value(&r, a);
    return NULL;
}

/* ---- time of day ---------------------------------------------------------------------------- */

int64_t types__into_day(int64_t us)
{
    us %= DAY_US;
    return us < 0 ? us + DAY_US : us;
}

CALL(types__time_plus)
{
    struct interval by;
    TRY(interval_of(&v[1], &by));
    *ret = value_int(types__into_day(v[0].i % DAY_US + by.us % DAY_US));
    return NULL;
}

static CALL(plus_time)
{
    const struct value swapped[2] = {v[1], v[0]};
    return types__time_plus(swapped, 2, a, ret);
}

static CALL(time_minus)
{
    struct interval by;
    TRY(interval_of(&v[1], &by));
    *ret = value_int(types__into_day(v[0].i % DAY_US - by.us % DAY_US));
    return NULL;
}

static CALL(time_distance)
{
    struct interval r = {.us = v[0].i - v[1].i};
    *ret = interval_value(&r, a);
    return NULL;
}

static CALL(date_plus_time)
{
    struct value us;
    TRY(types__date_to_timestamp(&v[0], 1, a, &us));
    const struct interval by = {.us = v[1].i};
    return types__timestamp_move(us.i, &by, ret);
}

static CALL(time_plus_date)
{
    const struct value swapped[2] = {v[1], v[0]};
    return date_plus_time(swapped, 2, a, ret);
}

CALL(types__timestamp_to_time)
{
    if (is_infinite(v->i)) {
        *ret = (struct value){.kind = VALUE_NULL};
        return NULL;
    }
    *ret = value_int(types__into_day(v->i));
    return NULL;
}

CALL(types__interval_to_time)
{
    struct interval x;
    TRY(interval_of(v, &x));
    *ret = value_int(types__into_day(x.us));
    return NULL;
}

CALL(types__time_to_interval)
{
    const struct interval x = {.us = v->i};
    *ret = interval_value(&x, a);
    return NULL;
}

/* ---- aggregates: the state's owned bytes are one struct interval ----------------------------- */

static void init(struct agg_state *s)
{
    *s = (struct agg_state){0};
}

static void done(struct agg_state *s)
{
    mem_free(s->s.p);
    s->s.p = NULL;
}

static struct interval *kept(struct agg_state *s)
{
    if (!s->s.p)
        s->s.p = mem_zalloc(sizeof(struct interval));
    return (struct interval *)(void *)s->s.p;
}

static struct error *sum_step(struct agg_state *s, const struct value *v, int n)
{
    struct interval x;
    TRY(interval_of(v, &x));
    TRY(interval_add(kept(s), &x, kept(s)));
    s->count++;
    return NULL;
}

static struct error *sum_merge(struct agg_state *into, const struct agg_state *from)
{
    if (!from->count)
        return NULL;
    TRY(interval_add(kept(into), (const struct interval *)(const void *)from->s.p, kept(into)));
    into->count += from->count;
    return NULL;
}

static struct error * final(struct agg_state *s, struct arena *a, struct value *ret)
{
    *ret = s->count ? interval_value(kept(s), a) : (struct value){.kind = VALUE_NULL};
    return NULL;
}

static struct error *avg_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    *ret = (struct value){.kind = VALUE_NULL};
    if (!s->count)
        return NULL;
    struct interval avg;
    TRY(interval_divide(kept(s), (double)s->count, &avg));
    *ret = interval_value(&avg, a);
    return NULL;
}

static void keep(struct agg_state *s, const struct interval *x, int sign)
{
    if (!s->count || sign * interval_compare(x, kept(s)) >= 0) /* the last of equals */
        *kept(s) = *x;
}

static struct error *extreme_step(struct agg_state *s, const struct value *v, int sign)
{
    struct interval x;
    TRY(interval_of(v, &x));
    keep(s, &x, sign);
    s->count++;
    return NULL;
}

static struct error *extreme_merge(struct agg_state *into, const struct agg_state *from, int sign)
{
    if (!from->count)
        return NULL;
    keep(into, (const struct interval *)(const void *)from->s.p, sign);
    into->count += from->count;
    return NULL;
}

static struct error *min_step(struct agg_state *s, const struct value *v, int n)
{
    return extreme_step(s, v, -1);
}

static struct error *max_step(struct agg_state *s, const struct value *v, int n)
{
    return extreme_step(s, v, 1);
}

static struct error *min_merge(struct agg_state *into, const struct agg_state *from)
{
    return extreme_merge(into, from, -1);
}

static struct error *max_merge(struct agg_state *into, const struct agg_state *from)
{
    return extreme_merge(into, from, 1);
}

static const struct agg sum_agg = {init, sum_step, sum_merge, final, done};
static const struct agg avg_agg = {init, sum_step, sum_merge, avg_final, done};
static const struct agg min_agg = {init, min_step, min_merge, final, done};
static const struct agg max_agg = {init, max_step, max_merge, final, done};

/* ---- rows ----------------------------------------------------------------------------------- */

#define I OID_INTERVAL
#define TS OID_TIMESTAMP
#define TZ OID_TIMESTAMPTZ
#define F8 OID_FLOAT8

#define COMPARE(op, fn)                                                                            \
    BINARY_EMIT(op, I, I, OID_BOOL, "($1 " op " $2 COLLATE minisql_interval)", fn)
DEFINE_COMPARISONS(interval, types__interval_compare(&v[0], &v[1]))

#define AGG(n, sql, ag)                                                                            \
    {                                                                                              \
        .name = n, .kind = FUNC_AGGREGATE, .nargs = 1, .args = {I}, .result = I, .strict = true,   \
        .sqlite_name = sql, .over_emit = sql "_over($1)", .agg = &ag                               \
    }

static const struct func rows[] = {
    COMPARE("=", interval_eq),
    COMPARE("<>", interval_ne),
    COMPARE("<", interval_lt),
    COMPARE("<=", interval_le),
    COMPARE(">", interval_gt),
    COMPARE(">=", interval_ge),
    BINARY("+", I, I, I, "interval_plus", interval_plus),
    BINARY("-", I, I, I, "interval_minus", interval_minus),
    PREFIX("-", I, I, "interval_unary_minus", interval_unary_minus),
    BINARY("*", I, F8, I, "interval_times", interval_times),
    BINARY("*", F8, I, I, "times_interval", times_interval),
    BINARY("/", I, F8, I, "interval_over", interval_over),
    SCALAR1("justify_hours", I, I, "justify_hours", justify_hours),
    SCALAR1("justify_days", I, I, "justify_days", justify_days),
    SCALAR1("justify_interval", I, I, "justify_interval", justify_interval),
    SCALAR1("isfinite", I, OID_BOOL, "interval_finite", interval_finite),
    BINARY("+", TS, I, TS, "timestamp_plus", types__timestamp_plus),
    BINARY("+", I, TS, TS, "plus_timestamp", plus_timestamp),
    BINARY("-", TS, I, TS, "timestamp_minus", timestamp_minus),
    BINARY("+", OID_DATE, I, TS, "date_plus_interval", date_plus_interval),
    BINARY("+", I, OID_DATE, TS, "interval_plus_date", interval_plus_date),
    BINARY("-", OID_DATE, I, TS, "date_minus_interval", date_minus_interval),
    BINARY("-", TS, TS, I, "timestamp_distance", timestamp_distance),
    BINARY("-", TZ, TZ, I, "timestamp_distance", timestamp_distance),
    SCALAR2("age", TS, TS, I, "timestamp_age", types__timestamp_age),
    BINARY("+", OID_TIME, I, OID_TIME, "time_plus", types__time_plus),
    BINARY("+", I, OID_TIME, OID_TIME, "plus_time", plus_time),
    BINARY("-", OID_TIME, I, OID_TIME, "time_minus", time_minus),
    BINARY("-", OID_TIME, OID_TIME, I, "time_distance", time_distance),
    BINARY("+", OID_DATE, OID_TIME, TS, "date_plus_time", date_plus_time),
    BINARY("+", OID_TIME, OID_DATE, TS, "time_plus_date", time_plus_date),
    AGG("sum", "interval_sum", sum_agg),
    AGG("avg", "interval_avg", avg_agg),
    AGG("min", "interval_min", min_agg),
    AGG("max", "interval_max", max_agg),
};

const struct func_rows types__interval_funcs = {rows, ARRAY_LEN(rows)};
