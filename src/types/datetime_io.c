/*
 * The calendar, and text forms of date, time, timestamp and timestamptz as they are printed; they
 * are read in datetime_read.c.
 *
 * A timestamp is the number of microseconds since 2000-01-01 00:00:00, a date the number of days;
 * both in the Gregorian calendar for all times, as in PostgreSQL. The smallest and the largest
 * value of the integer (64 and 32 bits) are -infinity and infinity. A timestamptz is the same
 * number in UTC; it is read and printed by the session's time zone (zone.c).
 */
#include "types/interval.h"
#include "types/zone.h"

#include <stdlib.h>
#include <time.h>

/* Both ends of what PostgreSQL stores: 4714-11-24 BC, and the first that is too late. */
#define TIMESTAMP_FIRST (-211813488000000000)
#define TIMESTAMP_END 9223371331200000000
enum { DATE_FIRST = -2451545, DATE_END = 2145031949, EPOCH_1970 = -10957 };

enum { ERA_DAYS = 146097, MARCH_0_TO_2000 = 730425 };

/* ---- the calendar -------------------------------------------------------------------------- */

static int64_t floor_div(int64_t x, int64_t y)
{
    return x / y - (x % y < 0);
}

/* Years count from March here, so that the leap day is a year's last. Year 0 is 1 BC. */
int64_t types__days_of(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int m = (month + 9) % MONTHS_IN_YEAR;
    return 365 * y + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) + (153 * m + 2) / 5 +
           day - 1 - MARCH_0_TO_2000;
}

void types__civil_of(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    int64_t era = floor_div(days + MARCH_0_TO_2000, ERA_DAYS);
    int rest = (int)(days + MARCH_0_TO_2000 - era * ERA_DAYS);
    int centuries = MIN(rest / 36524, 3); /* the fourth is a day longer */
    rest -= centuries * 36524;
    int fours = rest / 1461;
    rest -= fours * 1461;
    int years = MIN(rest / 365, 3);
    rest -= years * 365;
    int m = (5 * rest + 2) / 153;
    *ret_day = rest - (153 * m + 2) / 5 + 1;
    *ret_month = m < 10 ? m + 3 : m - 9;
    *ret_year = era * 400 + centuries * 100 + fours * 4 + years + (*ret_month <= 2);
}

int types__month_length(int64_t year, int month)
{
    return (int)(month == 12 ? 31
                             : types__days_of(year, month + 1, 1) - types__days_of(year, month, 1));
}

int64_t types_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * SECOND_US + t.tv_nsec / 1000 + EPOCH_1970 * DAY_US;
}

int64_t types__timestamp_days(int64_t us)
{
    return floor_div(us, DAY_US);
}

bool types__timestamp_valid(int64_t us)
{
    return us == TIMESTAMP_NEVER || us == TIMESTAMP_EVER ||
           (us >= TIMESTAMP_FIRST && us < TIMESTAMP_END);
}

bool types__date_valid(int64_t days)
{
    return days == DATE_NEVER || days == DATE_EVER || (days >= DATE_FIRST && days < DATE_END);
}

/* ---- printing ------------------------------------------------------------------------------ */

static bool print_infinity(bool never, bool ever, struct buf *out)
{
    if (never || ever)
        buf_puts(out, ever ? "infinity" : "-infinity");
    return never || ever;
}

struct civil {
    int year, month, day; /* as it is written: 1 BC is 1 */
    bool bc;
};

static struct civil civil_of(int64_t days)
{
    struct civil c;
    int64_t year;
    types__civil_of(days, &year, &c.month, &c.day);
    c.bc = year <= 0;
    c.year = (int)(c.bc ? 1 - year : year);
    return c;
}

static void print_day(const struct civil *c, const struct style *style, struct buf *out)
{
    bool day_first = style->order == ORDER_DMY;
    int first = day_first ? c->day : c->month, second = day_first ? c->month : c->day;
    switch (style->dates) {
    case DATES_SQL:
        buf_printf(out, "%02d/%02d/%04d", first, second, c->year);
        break;
    case DATES_POSTGRES:
        buf_printf(out, "%02d-%02d-%04d", first, second, c->year);
        break;
    case DATES_GERMAN:
        buf_printf(out, "%02d.%02d.%04d", c->day, c->month, c->year);
        break;
    default:
        buf_printf(out, "%04d-%02d-%02d", c->year, c->month, c->day);
    }
}

static void date_print(int32_t days, const struct style *style, struct buf *out)
{
    if (print_infinity(days == DATE_NEVER, days == DATE_EVER, out))
        return;
    const struct civil c = civil_of(days);
    print_day(&c, style, out);
    if (c.bc)
        buf_puts(out, " BC");
}

void types__offset_print(int32_t seconds, struct buf *out)
{
    int n = abs(seconds);
    buf_printf(out, "%c%02d", seconds < 0 ? '-' : '+', n / 3600);
    if (n % 3600)
        buf_printf(out, ":%02d", n / 60 % 60);
    if (n % 60)
        buf_printf(out, ":%02d", n % 60);
}

/* Thu Feb 29 12:00:00 2024 */
static void print_postgres(int64_t days, int64_t us, const struct civil *c,
                           const struct style *style, struct buf *out)
{
    static const char *const weekdays[] = {"Sat", "Sun", "Mon", "Tue", "Wed", "Thu", "Fri"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const char *weekday = weekdays[(days % 7 + 7) % 7], *month = months[c->month - 1];
    if (style->order == ORDER_DMY)
        buf_printf(out, "%s %02d %s ", weekday, c->day, month);
    else
        buf_printf(out, "%s %s %02d ", weekday, month, c->day);
    types__time_print(us, out);
    buf_printf(out, " %04d", c->year);
}

static void timestamp_print(int64_t us, bool zone, const struct style *style, struct buf *out)
{
    if (print_infinity(us == TIMESTAMP_NEVER, us == TIMESTAMP_EVER, out))
        return;
    int64_t utc = us;
    int32_t offset = zone ? types__zone_offset(style->zone, us) : 0;
    us += offset * SECOND_US;
    int64_t days = types__timestamp_days(us), rest = us - days * DAY_US;
    const struct civil c = civil_of(days);
    if (style->dates == DATES_POSTGRES) {
        print_postgres(days, rest, &c, style, out);
    } else {
        print_day(&c, style, out);
        buf_puts(out, " ");
        types__time_print(rest, out);
    }
    if (zone && style->dates == DATES_ISO) {
        types__offset_print(offset, out);
    } else if (zone) {
        buf_puts(out, " ");
        types__zone_abbreviation(style->zone, utc, out);
    }
    if (c.bc)
        buf_puts(out, " BC");
}

void types__date_print(int32_t days, struct buf *out)
{
    date_print(days, types__style(), out);
}

void types__timestamp_print(int64_t us, bool zone, struct buf *out)
{
    timestamp_print(us, zone, types__style(), out);
}

/* ISO 8601, whatever the session's DateStyle is */
void types__date_print_iso(int32_t days, struct buf *out)
{
    static const struct style iso;
    date_print(days, &iso, out);
}

void types__timestamp_print_iso(int64_t us, bool zone, struct buf *out)
{
    const struct style iso = {.zone = types__zone()};
    timestamp_print(us, zone, &iso, out);
}

void types__time_print(int64_t us, struct buf *out)
{
    int seconds = (int)(us / SECOND_US), fraction = (int)(us % SECOND_US);
    buf_printf(out, "%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (fraction) {
        buf_printf(out, ".%06d", fraction);
        while (out->data[out->len - 1] == '0')
            out->data[--out->len] = 0;
    }
}

/* Halves are rounded away from 2000-01-01, in both directions of time. */
struct error *types__timestamp_fit(int64_t us, int32_t typmod, int64_t *ret)
{
    static const int64_t units[] = {1000000, 100000, 10000, 1000, 100, 10};
    bool finite = us >= TIMESTAMP_FIRST && us < TIMESTAMP_END;
    if (finite && typmod >= 0 && typmod < (int)ARRAY_LEN(units)) {
        int64_t unit = units[typmod], half = us < 0 ? -unit / 2 : unit / 2;
        us = (us + half) / unit * unit;
    }
    if (!types__timestamp_valid(us))
        return error_new(E_DATETIME_RANGE, "timestamp out of range");
    *ret = us;
    return NULL;
}
