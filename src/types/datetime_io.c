/*
 * Text forms of date, timestamp and timestamptz.
 *
 * A timestamp is the number of microseconds since 2000-01-01 00:00:00, a date the number of days;
 * both in the Gregorian calendar for all times, as in PostgreSQL. The smallest and the largest
 * value of the integer (64 and 32 bits) are -infinity and infinity. A timestamptz is the same
 * number in UTC; it is read and printed by the session's time zone (zone.c).
 *
 * Input is what PostgreSQL writes and ISO 8601 says, with the liberties that PostgreSQL 15 takes:
 *
 *     text := word | day { time | zone | era }        each of the three at most once
 *     word := now | epoch | infinity | -infinity
 *     day  := 2026-11-22 | 2026/11/22 | 2026.11.22 | 20261122 | today | tomorrow | yesterday
 *     time := [T] 10:00[:00[.123]] | [T] 1000 | [T] 100000[.123]
 *     zone := Z | CET | Europe/Berlin | +02 | +0230 | +02:30[:15]
 *     era  := BC | AD
 *
 * Forms whose meaning hangs on settings (11/22/2026) or on tables (month names) are refused as
 * wrong syntax rather than guessed.
 */
#include "types/interval.h"
#include "types/zone.h"

#include <ctype.h>
#include <math.h>
#include <strings.h>
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

int64_t types__timestamp_clock(void)
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

/* True: the year is before Christ, which is written behind everything else. */
static bool print_day(int64_t days, struct buf *out)
{
    int64_t year;
    int month, day;
    types__civil_of(days, &year, &month, &day);
    bool bc = year <= 0;
    buf_printf(out, "%04lld-%02d-%02d", (long long)(bc ? 1 - year : year), month, day);
    return bc;
}

void types__date_print(int32_t days, struct buf *out)
{
    if (print_infinity(days == DATE_NEVER, days == DATE_EVER, out))
        return;
    if (print_day(days, out))
        buf_puts(out, " BC");
}

static void print_offset(int32_t seconds, struct buf *out)
{
    int n = abs(seconds);
    buf_printf(out, "%c%02d", seconds < 0 ? '-' : '+', n / 3600);
    if (n % 3600)
        buf_printf(out, ":%02d", n / 60 % 60);
    if (n % 60)
        buf_printf(out, ":%02d", n % 60);
}

void types__timestamp_print(int64_t us, bool zone, struct buf *out)
{
    if (print_infinity(us == TIMESTAMP_NEVER, us == TIMESTAMP_EVER, out))
        return;
    int32_t offset = zone ? types__zone_offset(types__zone(), us) : 0;
    us += offset * SECOND_US;
    int64_t days = types__timestamp_days(us), rest = us - days * DAY_US;
    bool bc = print_day(days, out);
    buf_puts(out, " ");
    types__time_print(rest, out);
    if (zone)
        print_offset(offset, out);
    if (bc)
        buf_puts(out, " BC");
}

/* ---- reading ------------------------------------------------------------------------------- */

/* What a text says, field by field. */
struct moment {
    int64_t year, month, day;
    int64_t hour, minute, second, fraction; /* fraction: microseconds, up to a whole second */
    int64_t zone;                           /* seconds east of Greenwich */
    const struct zone *region;              /* instead, if named */
    bool has_time, has_zone, has_era, bc;
    bool is_value; /* a word, that has its value in `us` already */
    bool clock;    /* the clock was asked */
    int64_t us;    /* in UTC */
};

/* How reading ended; the caller has the whole text and the type for the message. */
enum outcome { GOOD, BAD_SYNTAX, BAD_FIELD, BAD_ZONE };

struct cursor {
    const char *p, *end;
};

static void skip_blanks(struct cursor *c)
{
    while (c->p < c->end && isspace((unsigned char)*c->p))
        c->p++;
}

static bool at_digit(const struct cursor *c)
{
    return c->p < c->end && *c->p >= '0' && *c->p <= '9';
}

static bool take_char(struct cursor *c, char wanted)
{
    if (c->p >= c->end || *c->p != wanted)
        return false;
    c->p++;
    return true;
}

/* Digits, at least one; more than an int holds gives INT64_MAX, which no field may be. */
static bool take_number(struct cursor *c, int64_t *ret, int *ret_digits)
{
    int64_t v = 0;
    const char *start = c->p;
    for (; at_digit(c); c->p++)
        v = MIN(v * 10 + (*c->p - '0'), (int64_t)INT32_MAX + 1);
    *ret = v > INT32_MAX ? INT64_MAX : v;
    *ret_digits = (int)MIN(c->p - start, 1000);
    return c->p > start;
}

/* A word made of letters, in any case, that ends where letters end. */
static bool take_word(struct cursor *c, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(c->end - c->p) < n || strncasecmp(c->p, word, n) != 0 ||
        (c->p + n < c->end && isalpha((unsigned char)c->p[n])))
        return false;
    c->p += n;
    return true;
}

static void set_day(struct moment *m, int64_t days)
{
    int month, day;
    types__civil_of(days, &m->year, &month, &day);
    m->month = month;
    m->day = day;
}

/* Words that say it all. */
static bool take_value(struct cursor *c, struct moment *m)
{
    struct cursor minus = *c;
    if (take_char(&minus, '-')) {
        skip_blanks(&minus);
        if (!take_word(&minus, "infinity"))
            return false;
        *c = minus;
        m->us = TIMESTAMP_NEVER;
    } else if (take_word(c, "infinity")) {
        m->us = TIMESTAMP_EVER;
    } else if (take_word(c, "epoch")) {
        m->us = EPOCH_1970 * DAY_US;
    } else if (take_word(c, "now")) {
        m->us = types__timestamp_clock();
        m->clock = true;
    } else {
        return false;
    }
    m->is_value = true;
    return true;
}

static enum outcome read_day(struct cursor *c, struct moment *m)
{
    static const char *const words[] = {"yesterday", "today", "tomorrow"};
    for (int i = 0; i < (int)ARRAY_LEN(words); i++)
        if (take_word(c, words[i])) {
            int64_t local = types__local_of(types__zone(), types__timestamp_clock());
            set_day(m, types__timestamp_days(local) + i - 1);
            m->clock = true;
            return GOOD;
        }
    int digits, month_digits, day_digits;
    if (!take_number(c, &m->year, &digits))
        return BAD_SYNTAX;
    char separator = c->p < c->end ? *c->p : 0;
    if (separator != '-' && separator != '/' && separator != '.') { /* 20261122 */
        if (digits != 8)
            return BAD_SYNTAX;
        m->day = m->year % 100;
        m->month = m->year / 100 % 100;
        m->year /= 10000;
        return GOOD;
    }
    c->p++;
    if (digits < 3 || !take_number(c, &m->month, &month_digits) || !take_char(c, separator) ||
        !take_number(c, &m->day, &day_digits))
        return BAD_SYNTAX; /* two digits of a year may be a month's or a day's as well */
    if (month_digits == 3)
        return BAD_SYNTAX; /* a day of the year, and then another day */
    return m->year == INT64_MAX || m->month == INT64_MAX || m->day == INT64_MAX ? BAD_FIELD : GOOD;
}

/* The digits behind the point, rounded as PostgreSQL does: a double times a million. */
static void read_fraction(struct cursor *c, struct moment *m)
{
    char text[40] = "0.";
    size_t n = 2;
    for (; at_digit(c); c->p++)
        if (n < sizeof(text) - 1)
            text[n++] = *c->p;
    m->fraction = (int64_t)rint(strtod(text, NULL) * SECOND_US);
}

static enum outcome read_time(struct cursor *c, struct moment *m)
{
    int digits, more;
    bool seconds = false;
    if (!take_number(c, &m->hour, &digits))
        return BAD_SYNTAX;
    if (take_char(c, ':')) {
        if (!take_number(c, &m->minute, &more))
            return BAD_SYNTAX;
        seconds = take_char(c, ':');
        if (seconds)
            take_number(c, &m->second, &more);
    } else if (digits == 4 || digits == 6) {
        seconds = digits == 6;
        m->second = seconds ? m->hour % 100 : 0;
        m->hour /= seconds ? 100 : 1;
        m->minute = m->hour % 100;
        m->hour /= 100;
    } else {
        return BAD_SYNTAX;
    }
    if (take_char(c, '.')) {
        read_fraction(c, m);
        if (!seconds) { /* PostgreSQL takes 10:00.5 for minutes and seconds */
            m->second = m->minute;
            m->minute = m->hour;
            m->hour = 0;
        }
    }
    m->has_time = true;
    bool end_of_day = m->hour == 24 && !m->minute && !m->second && !m->fraction;
    return (m->hour > 23 && !end_of_day) || m->minute > 59 || m->second > 60 ? BAD_FIELD : GOOD;
}

static enum outcome read_offset(struct cursor *c, struct moment *m)
{
    int64_t hours, minutes = 0, seconds = 0;
    int digits, more;
    bool west = *c->p++ == '-';
    if (!take_number(c, &hours, &digits))
        return BAD_SYNTAX;
    if (take_char(c, ':')) {
        if (take_number(c, &minutes, &more) && take_char(c, ':'))
            take_number(c, &seconds, &more);
    } else if (digits > 2) {
        minutes = hours % 100;
        hours /= 100;
    }
    if (hours > 15 || minutes > 59 || seconds > 59)
        return BAD_ZONE;
    m->zone = hours * 3600 + minutes * 60 + seconds;
    if (west)
        m->zone = -m->zone;
    return GOOD;
}

/* A word that names a zone: an abbreviation, or a region. */
static bool take_zone(struct cursor *c, struct moment *m)
{
    const char *end = c->p;
    while (end < c->end &&
           (isalpha((unsigned char)*end) || *end == '_' || *end == '/' ||
            (end > c->p && (isdigit((unsigned char)*end) || *end == '-' || *end == '+') &&
             memchr(c->p, '/', (size_t)(end - c->p)))))
        end++;
    size_t n = (size_t)(end - c->p);
    int32_t seconds;
    if (types__zone_word(c->p, n, &seconds))
        m->zone = seconds;
    else if (n < 3 || !(m->region = zone_find(c->p, n)))
        return false;
    c->p = end;
    return true;
}

/* One of time, zone and era; `apart`: something stands between it and what came before. */
static enum outcome read_part(struct cursor *c, struct moment *m, bool apart)
{
    bool offset = *c->p == '+' || *c->p == '-';
    bool bc = take_word(c, "bc");
    if (bc || take_word(c, "ad")) {
        if (m->has_era)
            return BAD_SYNTAX;
        m->has_era = true;
        m->bc = bc;
        return GOOD;
    }
    if ((*c->p == 'T' || *c->p == 't') && c->p + 1 < c->end && isdigit((unsigned char)c->p[1])) {
        c->p++;
        apart = true;
    }
    if (apart && !m->has_time && at_digit(c))
        return read_time(c, m);
    if (m->has_zone || (!offset && !take_zone(c, m)))
        return BAD_SYNTAX;
    m->has_zone = true;
    return offset ? read_offset(c, m) : GOOD;
}

static enum outcome check_day(struct moment *m)
{
    if (m->year <= 0 || m->month < 1 || m->month > MONTHS_IN_YEAR || m->day < 1)
        return BAD_FIELD;
    if (m->bc)
        m->year = 1 - m->year;
    return m->day > types__month_length(m->year, (int)m->month) ? BAD_FIELD : GOOD;
}

static enum outcome read_moment(const char *s, size_t n, struct moment *m)
{
    struct cursor c = {s, s + n};
    skip_blanks(&c);
    if (take_value(&c, m)) {
        skip_blanks(&c);
        return c.p == c.end ? GOOD : BAD_SYNTAX;
    }
    enum outcome o = read_day(&c, m);
    while (o == GOOD) {
        const char *before = c.p;
        skip_blanks(&c);
        if (c.p == c.end)
            return check_day(m);
        o = read_part(&c, m, c.p > before);
    }
    return o;
}

bool types__datetime_reads_clock(const char *s, size_t n)
{
    struct moment m = {0};
    return read_moment(s, n, &m) == GOOD && m.clock;
}

static struct error *refuse(enum outcome o, const char *type, const char *s, size_t n)
{
    int len = (int)MIN(n, 1000);
    if (o == BAD_FIELD)
        return error_new(E_DATETIME_RANGE, "date/time field value out of range: \"%.*s\"", len, s);
    if (o == BAD_ZONE)
        return error_new("22009", "time zone displacement out of range: \"%.*s\"", len, s);
    return error_hint(
        error_new(E_BAD_DATETIME, "invalid input syntax for type %s: \"%.*s\"", type, len, s),
        "Write it as 2026-11-22 10:00:00, with an offset such as +02 for a time zone.");
}

struct error *types__date_parse(const char *s, size_t n, int64_t *ret)
{
    struct moment m = {0};
    enum outcome o = read_moment(s, n, &m);
    if (o != GOOD)
        return refuse(o, "date", s, n);
    int64_t days;
    if (!m.is_value)
        days = types__days_of(m.year, (int)m.month, (int)m.day);
    else if (m.us == TIMESTAMP_NEVER || m.us == TIMESTAMP_EVER)
        days = m.us == TIMESTAMP_EVER ? DATE_EVER : DATE_NEVER;
    else
        days = types__timestamp_days(m.clock ? types__local_of(types__zone(), m.us) : m.us);
    if (!m.is_value && (days < DATE_FIRST || days >= DATE_END))
        return error_new(E_DATETIME_RANGE, "date out of range: \"%.*s\"", (int)MIN(n, 1000), s);
    *ret = days;
    return NULL;
}

/* False: beyond what is stored. The days are checked first, so that nothing here overflows. */
static bool us_of(const struct moment *m, bool zone, int64_t *ret)
{
    int64_t days = types__days_of(m->year, (int)m->month, (int)m->day);
    if (days < DATE_FIRST - 1 || days > TIMESTAMP_END / DAY_US)
        return false;
    int64_t seconds = m->hour * 3600 + m->minute * 60 + m->second - (zone ? m->zone : 0);
    *ret = days * DAY_US + seconds * SECOND_US + m->fraction;
    if (zone && (m->region || !m->has_zone))
        *ret = types__utc_of(m->region ? m->region : types__zone(), *ret);
    return *ret >= TIMESTAMP_FIRST && *ret < TIMESTAMP_END;
}

struct error *types__timestamp_parse(const char *s, size_t n, bool zone, int32_t typmod,
                                     int64_t *ret)
{
    struct moment m = {0};
    enum outcome o = read_moment(s, n, &m);
    if (o != GOOD)
        return refuse(o, zone ? "timestamp with time zone" : "timestamp", s, n);
    if (!m.is_value && !us_of(&m, zone, &m.us))
        return error_new(E_DATETIME_RANGE, "timestamp out of range: \"%.*s\"", (int)MIN(n, 1000),
                         s);
    if (m.clock && m.is_value && !zone)
        m.us = types__local_of(types__zone(), m.us);
    return types__timestamp_fit(m.us, typmod, ret);
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

/* A time of day; a zone behind it is read and left out, and so is a date, as in PostgreSQL. */
struct error *types__time_parse(const char *s, size_t n, int32_t typmod, int64_t *ret)
{
    struct moment m = {0};
    struct cursor c = {s, s + n};
    enum outcome o = GOOD;
    skip_blanks(&c);
    struct cursor after_day = c;
    struct moment day = {0};
    bool dated = read_day(&after_day, &day) == GOOD && !day.clock && check_day(&day) == GOOD;
    if (dated)
        c = after_day;
    skip_blanks(&c);
    while (o == GOOD && c.p < c.end) {
        o = read_part(&c, &m, true);
        skip_blanks(&c);
    }
    if (o == GOOD && (!m.has_time || (m.has_era && !dated)))
        o = BAD_SYNTAX;
    if (o != GOOD)
        return refuse(o, "time", s, n);
    int64_t us = (m.hour * 3600 + m.minute * 60 + m.second) * SECOND_US + m.fraction;
    return types__timestamp_fit(us, typmod, ret);
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
