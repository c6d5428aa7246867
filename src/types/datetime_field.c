/*
 * Fields of dates, times, timestamps and intervals: extract and date_part, date_trunc, make_date,
 * make_time, to_timestamp.
 *
 * extract() gives numeric with as many digits behind the point as PostgreSQL 15 does (seconds 6,
 * milliseconds 3), date_part() the same as double precision.
 */
#include "types/interval.h"
#include "types/zone.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <strings.h>

enum { DAYS_1970 = 10957, JULIAN_2000 = 2451545, DAYS_IN_MONTH = 30 };
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (3600 * SECOND_US)

/* ---- names of fields ------------------------------------------------------------------------ */

enum field {
    FIELD_NONE,
    FIELD_MICROSECOND,
    FIELD_MILLISECOND,
    FIELD_SECOND,
    FIELD_MINUTE,
    FIELD_HOUR,
    FIELD_DAY,
    FIELD_WEEK,
    FIELD_MONTH,
    FIELD_QUARTER,
    FIELD_YEAR,
    FIELD_DECADE,
    FIELD_CENTURY,
    FIELD_MILLENNIUM,
    FIELD_EPOCH,
    FIELD_DOW,
    FIELD_ISODOW,
    FIELD_DOY,
    FIELD_ISOYEAR,
    FIELD_JULIAN,
    FIELD_TIMEZONE,
    FIELD_TIMEZONE_HOUR,
    FIELD_TIMEZONE_MINUTE,
};

static const struct {
    const char *name;
    enum field field;
} names[] = {
    {"c", FIELD_CENTURY},
    {"cent", FIELD_CENTURY},
    {"centuries", FIELD_CENTURY},
    {"century", FIELD_CENTURY},
    {"d", FIELD_DAY},
    {"day", FIELD_DAY},
    {"days", FIELD_DAY},
    {"dec", FIELD_DECADE},
    {"decade", FIELD_DECADE},
    {"decades", FIELD_DECADE},
    {"decs", FIELD_DECADE},
    {"dow", FIELD_DOW},
    {"doy", FIELD_DOY},
    {"epoch", FIELD_EPOCH},
    {"h", FIELD_HOUR},
    {"hour", FIELD_HOUR},
    {"hours", FIELD_HOUR},
    {"hr", FIELD_HOUR},
    {"hrs", FIELD_HOUR},
    {"isodow", FIELD_ISODOW},
    {"isoyear", FIELD_ISOYEAR},
    {"j", FIELD_JULIAN},
    {"jd", FIELD_JULIAN},
    {"julian", FIELD_JULIAN},
    {"m", FIELD_MINUTE},
    {"microseconds", FIELD_MICROSECOND},
    {"microsecond", FIELD_MICROSECOND},
    {"mil", FIELD_MILLENNIUM},
    {"millennia", FIELD_MILLENNIUM},
    {"millennium", FIELD_MILLENNIUM},
    {"milliseconds", FIELD_MILLISECOND},
    {"millisecond", FIELD_MILLISECOND},
    {"mils", FIELD_MILLENNIUM},
    {"min", FIELD_MINUTE},
    {"mins", FIELD_MINUTE},
    {"minute", FIELD_MINUTE},
    {"minutes", FIELD_MINUTE},
    {"mon", FIELD_MONTH},
    {"mons", FIELD_MONTH},
    {"month", FIELD_MONTH},
    {"months", FIELD_MONTH},
    {"ms", FIELD_MILLISECOND},
    {"msec", FIELD_MILLISECOND},
    {"msecs", FIELD_MILLISECOND},
    {"qtr", FIELD_QUARTER},
    {"quarter", FIELD_QUARTER},
    {"s", FIELD_SECOND},
    {"sec", FIELD_SECOND},
    {"second", FIELD_SECOND},
    {"seconds", FIELD_SECOND},
    {"secs", FIELD_SECOND},
    {"timezone", FIELD_TIMEZONE},
    {"timezone_h", FIELD_TIMEZONE_HOUR},
    {"timezone_hour", FIELD_TIMEZONE_HOUR},
    {"timezone_m", FIELD_TIMEZONE_MINUTE},
    {"timezone_minute", FIELD_TIMEZONE_MINUTE},
    {"us", FIELD_MICROSECOND},
    {"usec", FIELD_MICROSECOND},
    {"usecs", FIELD_MICROSECOND},
    {"w", FIELD_WEEK},
    {"week", FIELD_WEEK},
    {"weeks", FIELD_WEEK},
    {"y", FIELD_YEAR},
    {"year", FIELD_YEAR},
    {"years", FIELD_YEAR},
    {"yr", FIELD_YEAR},
    {"yrs", FIELD_YEAR},
};

static enum field field_of(const struct value *name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strlen(names[i].name) == name->s.n &&
            strncasecmp(names[i].name, name->s.p, name->s.n) == 0)
            return names[i].field;
    return FIELD_NONE;
}

/* What date_trunc() knows: a unit, not a field such as dow. */
static enum field unit_of(const struct value *name)
{
    enum field f = field_of(name);
    return f >= FIELD_EPOCH && f < FIELD_TIMEZONE ? FIELD_NONE : f;
}

/* PostgreSQL folds the name before it complains. */
static struct error *bad_field(const struct value *name, enum field f, uint32_t type)
{
    char folded[64];
    size_t n = MIN(name->s.n, sizeof(folded) - 1);
    for (size_t i = 0; i < n; i++)
        folded[i] = (char)tolower((unsigned char)name->s.p[i]);
    folded[n] = 0;
    const char *label = type_by_oid(type)->sql_name;
    if (f == FIELD_NONE)
        return error_new("22023", "unit \"%s\" not recognized for type %s", folded, label);
    return error_new(E_UNSUPPORTED, "unit \"%s\" not supported for type %s", folded, label);
}

/* ---- extracting ----------------------------------------------------------------------------- */

/* A whole number of 10^-scale. */
struct number {
    __int128 units;
    int scale;
    int infinite; /* -1 or 1: minus or plus infinity instead */
    bool has_part;
    int64_t of_day; /* has_part: of a Julian day, in microseconds */
};

static int64_t floor_div(int64_t x, int64_t y)
{
    return x / y - (x % y < 0);
}

/* Years of a decade, century, ..: there is no year 0, so 1 BC (year 0 here) is -1. */
static int64_t century(int64_t year, int64_t length)
{
    return year > 0 ? (year + length - 1) / length : -((length - 1 - (year - 1)) / length);
}

/* 0 is Sunday; 2000-01-01 was a Saturday. */
static int weekday(int64_t days)
{
    return (int)(((days + 6) % 7 + 7) % 7);
}

/* The week that holds the year's first Thursday is its first. */
static int64_t iso_week(int64_t days, int64_t *ret_year)
{
    int64_t thursday = days - (weekday(days) + 6) % 7 + 3;
    int month, day;
    types__civil_of(thursday, ret_year, &month, &day);
    return (thursday - types__days_of(*ret_year, 1, 1)) / 7 + 1;
}

static bool time_field(int64_t us, enum field f, struct number *ret)
{
    switch (f) {
    case FIELD_MICROSECOND:
        *ret = (struct number){.units = us % MINUTE_US, .scale = 0};
        return true;
    case FIELD_MILLISECOND:
        *ret = (struct number){.units = us % MINUTE_US, .scale = 3};
        return true;
    case FIELD_SECOND:
        *ret = (struct number){.units = us % MINUTE_US, .scale = 6};
        return true;
    case FIELD_MINUTE:
        *ret = (struct number){.units = us / MINUTE_US % 60, .scale = 0};
        return true;
    case FIELD_HOUR:
        *ret = (struct number){.units = us / HOUR_US, .scale = 0};
        return true;
    default:
        return false;
    }
}

static bool day_field(int64_t days, enum field f, struct number *ret)
{
    int64_t year, iso_year, week = iso_week(days, &iso_year);
    int month, day;
    types__civil_of(days, &year, &month, &day);
    *ret = (struct number){0};
    switch (f) {
    case FIELD_DAY:
        ret->units = day;
        return true;
    case FIELD_WEEK:
        ret->units = week;
        return true;
    case FIELD_MONTH:
        ret->units = month;
        return true;
    case FIELD_QUARTER:
        ret->units = (month - 1) / 3 + 1;
        return true;
    case FIELD_YEAR:
        ret->units = year > 0 ? year : year - 1;
        return true;
    case FIELD_DECADE:
        ret->units = year >= 0 ? year / 10 : -((8 - (year - 1)) / 10);
        return true;
    case FIELD_CENTURY:
        ret->units = century(year, 100);
        return true;
    case FIELD_MILLENNIUM:
        ret->units = century(year, 1000);
        return true;
    case FIELD_ISOYEAR:
        ret->units = iso_year > 0 ? iso_year : iso_year - 1;
        return true;
    case FIELD_DOW:
        ret->units = weekday(days);
        return true;
    case FIELD_ISODOW:
        ret->units = (weekday(days) + 6) % 7 + 1;
        return true;
    case FIELD_DOY:
        ret->units = days - types__days_of(year, 1, 1) + 1;
        return true;
    default:
        return false;
    }
}

static bool zone_field(int32_t offset, enum field f, struct number *ret)
{
    if (f < FIELD_TIMEZONE)
        return false;
    ret->scale = 0;
    ret->units = f == FIELD_TIMEZONE        ? offset
                 : f == FIELD_TIMEZONE_HOUR ? offset / 3600
                                            : offset % 3600 / 60;
    return true;
}

static bool timestamp_field(int64_t us, bool zone, enum field f, struct number *ret)
{
    if (f == FIELD_EPOCH) {
        *ret = (struct number){.units = (__int128)us + DAYS_1970 * DAY_US, .scale = 6};
        return true;
    }
    int32_t offset = zone ? types__zone_offset(types__zone(), us) : 0;
    if (zone && zone_field(offset, f, ret))
        return true;
    us += offset * SECOND_US;
    int64_t days = types__timestamp_days(us), time = us - days * DAY_US;
    if (f == FIELD_JULIAN) {
        *ret = (struct number){.units = days + JULIAN_2000, .has_part = true, .of_day = time};
        return true;
    }
    return time_field(time, f, ret) || day_field(days, f, ret);
}

static bool date_field(int64_t days, enum field f, struct number *ret)
{
    *ret = (struct number){0};
    if (f == FIELD_EPOCH)
        ret->units = (days + DAYS_1970) * 86400;
    else if (f == FIELD_JULIAN)
        ret->units = days + JULIAN_2000;
    else
        return day_field(days, f, ret);
    return true;
}

static bool interval_field(const struct interval *i, enum field f, struct number *ret)
{
    int years = i->months / MONTHS_IN_YEAR, months = i->months % MONTHS_IN_YEAR;
    *ret = (struct number){0};
    switch (f) {
    case FIELD_DAY:
        ret->units = i->days;
        return true;
    case FIELD_MONTH:
        ret->units = months;
        return true;
    case FIELD_QUARTER:
        ret->units = months / 3 + 1;
        return true;
    case FIELD_YEAR:
        ret->units = years;
        return true;
    case FIELD_DECADE:
        ret->units = years / 10;
        return true;
    case FIELD_CENTURY:
        ret->units = years / 100;
        return true;
    case FIELD_MILLENNIUM:
        ret->units = years / 1000;
        return true;
    default:
        return time_field(i->us, f, ret);
    }
}

static struct error *numeric_call(const char *op, const char *x, const char *y, struct arena *a,
                                  struct value *ret)
{
    const uint32_t types[2] = {OID_NUMERIC, OID_NUMERIC};
    const struct value args[2] = {value_text(x, strlen(x)), value_text(y, strlen(y))};
    const struct func *f;
    TRY(func_resolve(op, FUNC_OPERATOR, types, 2, &f));
    return f->call(args, 2, a, ret);
}

static struct error *add_part_of_day(int64_t us, struct arena *a, struct value *ret)
{
    struct value part;
    const char *day = arena_strndup(a, ret->s.p, ret->s.n);
    TRY(numeric_call("/", arena_printf(a, "%lld", (long long)us), "86400000000", a, &part));
    return numeric_call("+", day, arena_strndup(a, part.s.p, part.s.n), a, ret);
}

static struct error *numeric_result(struct number n, struct arena *a, struct value *ret)
{
    static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    if (n.infinite) {
        const char *word = n.infinite < 0 ? "-Infinity" : "Infinity";
        *ret = value_text(word, strlen(word));
        return NULL;
    }
    unsigned __int128 units =
        n.units < 0 ? -(unsigned __int128)n.units : (unsigned __int128)n.units;
    uint64_t power = (uint64_t)powers[n.scale];
    char *text =
        arena_printf(a, "%s%llu", n.units < 0 ? "-" : "", (unsigned long long)(units / power));
    if (n.scale)
        text = arena_printf(a, "%s.%0*llu", text, n.scale, (unsigned long long)(units % power));
    *ret = value_text(text, strlen(text));
    return n.has_part ? add_part_of_day(n.of_day, a, ret) : NULL;
}

static struct error *real_result(struct number n, struct value *ret)
{
    if (n.infinite || n.has_part)
        *ret = value_real(n.infinite ? n.infinite * (double)INFINITY
                                     : (double)n.units + (double)n.of_day / (double)DAY_US);
    else
        *ret = value_real(n.scale == 6   ? (double)n.units / 1e6
                          : n.scale == 3 ? (double)n.units / 1e3
                                         : (double)n.units);
    return NULL;
}

/* What extract() and date_part() of a type have in common: the field, or an error. */
static struct error *pick(uint32_t type, const struct value *v, bool *ret_null, struct number *ret)
{
    enum field f = field_of(&v[0]);
    bool ok = false;
    *ret_null = false;
    *ret = (struct number){0};
    if (type == OID_INTERVAL) {
        struct interval i;
        TRY(interval_of(&v[1], &i));
        if (f == FIELD_EPOCH) { /* a year is 365.25 days here */
            int64_t years = i.months / MONTHS_IN_YEAR, months = i.months % MONTHS_IN_YEAR;
            __int128 us = (__int128)years * 31557600 * SECOND_US +
                          (__int128)(months * DAYS_IN_MONTH + i.days) * DAY_US + i.us;
            *ret = (struct number){.units = us, .scale = 6};
            return NULL;
        }
        ok = interval_field(&i, f, ret);
    } else if (type == OID_TIME) {
        if (f == FIELD_EPOCH) {
            *ret = (struct number){.units = v[1].i, .scale = 6};
            return NULL;
        }
        ok = time_field(v[1].i, f, ret);
    } else if (type == OID_TIMETZ) {
        int32_t east;
        int64_t us = types__timetz_unpack(v[1].i, &east);
        if (f == FIELD_EPOCH)
            *ret = (struct number){.units = us - east * SECOND_US, .scale = 6};
        ok = f == FIELD_EPOCH || zone_field(east, f, ret) || time_field(us, f, ret);
    } else {
        bool date = type == OID_DATE;
        bool infinite = date ? v[1].i == DATE_NEVER || v[1].i == DATE_EVER
                             : v[1].i == TIMESTAMP_NEVER || v[1].i == TIMESTAMP_EVER;
        int64_t at = infinite ? 0 : v[1].i;
        ok = date ? date_field(at, f, ret) : timestamp_field(at, type == OID_TIMESTAMPTZ, f, ret);
        if (ok && infinite) { /* what only grows is infinite, too; what repeats is not known */
            if (f >= FIELD_YEAR && f != FIELD_DOW && f != FIELD_ISODOW && f != FIELD_DOY &&
                f < FIELD_TIMEZONE)
                ret->infinite = v[1].i < 0 ? -1 : 1;
            else
                *ret_null = true;
        }
    }
    return ok ? NULL : bad_field(&v[0], f, type);
}

#define DEFINE_EXTRACT(name, type)                                                                 \
    static CALL(extract_##name)                                                                    \
    {                                                                                              \
        struct number number;                                                                      \
        bool null;                                                                                 \
        TRY(pick(type, v, &null, &number));                                                        \
        if (!null)                                                                                 \
            return numeric_result(number, a, ret);                                                 \
        *ret = (struct value){.kind = VALUE_NULL};                                                 \
        return NULL;                                                                               \
    }
#define DEFINE_FIELDS(name, type)                                                                  \
    DEFINE_EXTRACT(name, type)                                                                     \
    static CALL(part_##name)                                                                       \
    {                                                                                              \
        struct number number;                                                                      \
        bool null;                                                                                 \
        TRY(pick(type, v, &null, &number));                                                        \
        if (!null)                                                                                 \
            return real_result(number, ret);                                                       \
        *ret = (struct value){.kind = VALUE_NULL};                                                 \
        return NULL;                                                                               \
    }

DEFINE_FIELDS(timestamp, OID_TIMESTAMP)
DEFINE_FIELDS(timestamptz, OID_TIMESTAMPTZ)
DEFINE_EXTRACT(date, OID_DATE)
DEFINE_FIELDS(time, OID_TIME)
DEFINE_FIELDS(timetz, OID_TIMETZ)
DEFINE_FIELDS(interval, OID_INTERVAL)

/* It takes a date for a timestamp, extract() does not. */
static CALL(part_date)
{
    struct value args[2] = {v[0]};
    TRY(types__date_to_timestamp(&v[1], 1, a, &args[1]));
    return part_timestamp(args, 2, a, ret);
}

/* ---- date_trunc ----------------------------------------------------------------------------- */

static int64_t trunc_year(int64_t year, enum field f)
{
    if (f == FIELD_DECADE)
        return year > 0 ? year / 10 * 10 : -((8 - (year - 1)) / 10) * 10;
    int64_t length = f == FIELD_CENTURY ? 100 : 1000;
    return year > 0 ? (year + length - 1) / length * length - (length - 1)
                    : -((length - 1 - (year - 1)) / length) * length + 1;
}

static bool trunc_days(int64_t days, enum field f, int64_t *ret)
{
    int64_t year;
    int month, day;
    types__civil_of(days, &year, &month, &day);
    switch (f) {
    case FIELD_DAY:
        *ret = days;
        return true;
    case FIELD_WEEK:
        *ret = days - (weekday(days) + 6) % 7;
        return true;
    case FIELD_MONTH:
        *ret = types__days_of(year, month, 1);
        return true;
    case FIELD_QUARTER:
        *ret = types__days_of(year, (month - 1) / 3 * 3 + 1, 1);
        return true;
    case FIELD_YEAR:
        *ret = types__days_of(year, 1, 1);
        return true;
    case FIELD_DECADE:
    case FIELD_CENTURY:
    case FIELD_MILLENNIUM:
        *ret = types__days_of(trunc_year(year, f), 1, 1);
        return true;
    default:
        return false;
    }
}

static int64_t unit_us(enum field f)
{
    static const int64_t units[] = {[FIELD_MICROSECOND] = 1,
                                    [FIELD_MILLISECOND] = 1000,
                                    [FIELD_SECOND] = SECOND_US,
                                    [FIELD_MINUTE] = MINUTE_US,
                                    [FIELD_HOUR] = HOUR_US};
    return f > FIELD_NONE && f <= FIELD_HOUR ? units[f] : 0;
}

static struct error *trunc_timestamp(const struct value *v, uint32_t type, struct value *ret)
{
    enum field f = unit_of(&v[0]);
    int64_t us = v[1].i, days, unit = unit_us(f);
    if (us == TIMESTAMP_NEVER || us == TIMESTAMP_EVER) {
        *ret = v[1]; /* of any unit, be there such a one or not */
        return NULL;
    }
    if (unit)
        us = floor_div(us, unit) * unit;
    else if (trunc_days(types__timestamp_days(us), f, &days))
        us = days * DAY_US;
    else
        return bad_field(&v[0], f, type);
    if (!types__timestamp_valid(us))
        return error_new(E_DATETIME_RANGE, "timestamp out of range");
    *ret = value_int(us);
    return NULL;
}

static CALL(trunc_timestamp_plain)
{
    return trunc_timestamp(v, OID_TIMESTAMP, ret);
}

CALL(types__trunc_timestamptz)
{
    const struct zone *z = types__zone();
    const struct value local[2] = {v[0], value_int(types__local_of(z, v[1].i))};
    TRY(trunc_timestamp(local, OID_TIMESTAMPTZ, ret));
    if (unit_us(unit_of(&v[0]))) /* within an hour that comes twice it stays the same one */
        ret->i -= types__zone_offset(z, v[1].i) * SECOND_US;
    else
        ret->i = types__utc_of(z, ret->i);
    return types__timestamp_valid(ret->i) ? NULL
                                          : error_new(E_DATETIME_RANGE, "timestamp out of range");
}

static CALL(trunc_interval)
{
    static const int months[] = {
        [FIELD_MONTH] = 1,    [FIELD_QUARTER] = 3,    [FIELD_YEAR] = 12,
        [FIELD_DECADE] = 120, [FIELD_CENTURY] = 1200, [FIELD_MILLENNIUM] = 12000};
    enum field f = unit_of(&v[0]);
    struct interval i;
    TRY(interval_of(&v[1], &i));
    int64_t unit = unit_us(f);
    if (unit) {
        i.us -= i.us % unit;
    } else if (f == FIELD_DAY) {
        i.us = 0;
    } else if (f >= FIELD_MONTH && f <= FIELD_MILLENNIUM) {
        i.months -= i.months % months[f];
        i.days = 0;
        i.us = 0;
    } else {
        struct error *e = bad_field(&v[0], f, OID_INTERVAL);
        return f == FIELD_WEEK ? error_detail(e, "Months usually have fractional weeks.") : e;
    }
    *ret = interval_value(&i, a);
    return NULL;
}

/* ---- making --------------------------------------------------------------------------------- */

/* `shown` is the year in an error's text. */
struct error *types__make_day(const struct value *v, int64_t shown, struct value *ret)
{
    int64_t year = v[0].i < 0 ? v[0].i + 1 : v[0].i; /* -1 is 1 BC */
    int month = (int)v[1].i, day = (int)v[2].i;
    if (v[0].i == 0 || v[0].i == INT32_MIN || month < 1 || month > MONTHS_IN_YEAR || day < 1 ||
        day > types__month_length(year, month))
        return error_new(E_DATETIME_RANGE, "date field value out of range: %d-%02d-%02d",
                         (int)shown, month, day);
    int64_t days = types__days_of(year, month, day);
    if (!types__date_valid(days))
        return error_new(E_DATETIME_RANGE, "date out of range: %d-%02d-%02d", (int)shown, month,
                         day);
    *ret = value_int(days);
    return NULL;
}

CALL(types__make_date)
{
    bool bc = v[0].i < 0 && v[0].i != INT32_MIN; /* PostgreSQL shows what it has made of it */
    return types__make_day(v, v[0].i + bc, ret);
}

CALL(types__make_time)
{
    int64_t hour = v[0].i, minute = v[1].i;
    double seconds = v[2].r;
    double rounded = rint(seconds * 1e6);
    int64_t us = (int64_t)(rounded >= 0 && rounded <= 60e6 ? rounded : 0);
    if (hour < 0 || minute < 0 || minute > 59 || !(rounded >= 0 && rounded <= 60e6) ||
        hour * HOUR_US + minute * MINUTE_US + us > DAY_US)
        return !isfinite(seconds)
                   ? error_new(E_DATETIME_RANGE, "time field value out of range: %d:%02d:%s",
                               (int)hour, (int)minute,
                               isnan(seconds) ? "NaN"
                               : seconds < 0  ? "-Infinity"
                                              : "Infinity")
                   : error_new(E_DATETIME_RANGE, "time field value out of range: %d:%02d:%02g",
                               (int)hour, (int)minute, seconds);
    *ret = value_int(hour * HOUR_US + minute * MINUTE_US + us);
    return NULL;
}

static CALL(to_timestamp)
{
    double seconds = v->r;
    if (isnan(seconds))
        return error_new(E_DATETIME_RANGE, "timestamp cannot be NaN");
    if (isinf(seconds)) {
        *ret = value_int(seconds > 0 ? TIMESTAMP_EVER : TIMESTAMP_NEVER);
        return NULL;
    }
    double us = rint((seconds - (double)DAYS_1970 * 86400) * 1e6);
    if (fabs(us) >= 9.3e18 || !types__timestamp_valid((int64_t)us))
        return error_new(E_DATETIME_RANGE, "timestamp out of range: \"%g\"", seconds);
    *ret = value_int((int64_t)us);
    return NULL;
}

/* ---- rows ----------------------------------------------------------------------------------- */

#define T OID_TEXT
#define TS OID_TIMESTAMP
#define TZ OID_TIMESTAMPTZ
#define FIELDS(type, fn)                                                                           \
    SCALAR2("extract", T, type, OID_NUMERIC, "extract_" #fn, extract_##fn),                        \
        SCALAR2("date_part", T, type, OID_FLOAT8, "part_" #fn, part_##fn)

static const struct func rows[] = {
    FIELDS(TS, timestamp),
    FIELDS(TZ, timestamptz),
    FIELDS(OID_DATE, date),
    FIELDS(OID_TIME, time),
    FIELDS(OID_TIMETZ, timetz),
    FIELDS(OID_INTERVAL, interval),
    SCALAR2("date_trunc", T, TS, TS, "trunc_timestamp", trunc_timestamp_plain),
    SCALAR2("date_trunc", T, TZ, TZ, "trunc_timestamptz", types__trunc_timestamptz),
    SCALAR2("date_trunc", T, OID_INTERVAL, OID_INTERVAL, "trunc_interval", trunc_interval),
    SCALAR3("make_date", OID_INT4, OID_INT4, OID_INT4, OID_DATE, "make_date", types__make_date),
    SCALAR3("make_time", OID_INT4, OID_INT4, OID_FLOAT8, OID_TIME, "make_time", types__make_time),
    SCALAR1("to_timestamp", OID_FLOAT8, TZ, "to_timestamp", to_timestamp),
};

const struct func_rows types__field_funcs = {rows, ARRAY_LEN(rows)};
