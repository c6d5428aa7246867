/*
 * to_char() of timestamps and intervals.
 *
 * A format is a row of nodes: a pattern such as HH24, with FM or TM before it and TH or th behind
 * it, or a character that stands for itself. Patterns are matched longest first and only in the
 * spellings that the table has, as in PostgreSQL: Mm is M and m.
 */
#include "types/format.h"
#include "types/interval.h"
#include "types/zone.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct moment {
    int64_t year; /* 0 is 1 BC; of an interval, as it is */
    int month, day, weekday, yearday;
    int64_t hour;
    int minute, second, microsecond;
    int64_t days; /* since 2000-01-01 */
    bool interval, zoned;
    int64_t utc;
};

struct pattern {
    const char *name;
    void (*put)(struct buf *out, const struct moment *m, bool filled, int variant);
    int variant;
    bool number;    /* TH may follow */
    bool date_only; /* an interval has none: 22007 */
};

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};

/* ---- what patterns put: `filled` is without FM -------------------------------------------------
 */

static void put_number(struct buf *out, int64_t n, int width, bool filled)
{
    buf_printf(out, "%0*lld", filled ? width + (n < 0) : 0, (long long)n);
}

enum {
    HOUR_12,
    HOUR_24,
    MINUTE,
    SECOND,
    DAY_SECONDS,
    MONTH,
    DAY,
    WEEKDAY,
    ISO_WEEKDAY,
    YEARDAY,
    ISO_YEARDAY,
    WEEK,
    ISO_WEEK,
    MONTH_WEEK,
    QUARTER,
    JULIAN
};

static int64_t iso_week_of(int64_t days, int64_t *ret_year)
{
    int weekday = (int)(((days + 6) % 7 + 7) % 7);
    int64_t thursday = days - (weekday + 6) % 7 + 3;
    int month, day;
    types__civil_of(thursday, ret_year, &month, &day);
    return (thursday - types__days_of(*ret_year, 1, 1)) / 7 + 1;
}

/* Of years, months and days, each of any size. */
static int64_t julian_of_interval(const struct moment *m)
{
    int64_t month = m->month > 2 ? m->month + 1 : m->month + 13;
    int64_t year = m->year + (m->month > 2 ? 4800 : 4799);
    int64_t century = year / 100;
    return year * 365 - 32167 + year / 4 - century + century / 4 + 7834 * month / 256 + m->day;
}

static void put_count(struct buf *out, const struct moment *m, bool filled, int variant)
{
    int64_t iso_year, iso_week = iso_week_of(m->days, &iso_year);
    switch (variant) {
    case HOUR_12:
        put_number(out, m->hour % 12 == 0 ? 12 : m->hour % 12, 2, filled);
        break;
    case HOUR_24:
        put_number(out, m->hour, 2, filled);
        break;
    case MINUTE:
        put_number(out, m->minute, 2, filled);
        break;
    case SECOND:
        put_number(out, m->second, 2, filled);
        break;
    case DAY_SECONDS:
        put_number(out, m->hour * 3600 + m->minute * 60 + m->second, 0, false);
        break;
    case MONTH:
        put_number(out, m->month, 2, filled);
        break;
    case DAY:
        put_number(out, m->day, 2, filled);
        break;
    case WEEKDAY:
        put_number(out, m->weekday + 1, 0, false);
        break;
    case ISO_WEEKDAY:
        put_number(out, m->weekday ? m->weekday : 7, 0, false);
        break;
    case YEARDAY:
        put_number(out, m->yearday, 3, filled);
        break;
    case ISO_YEARDAY:
        put_number(out, (iso_week - 1) * 7 + (m->weekday ? m->weekday : 7), 3, filled);
        break;
    case WEEK:
        put_number(out, (m->yearday - 1) / 7 + 1, 2, filled);
        break;
    case ISO_WEEK:
        put_number(out, iso_week, 2, filled);
        break;
    case MONTH_WEEK:
        put_number(out, (m->day - 1) / 7 + 1, 0, false);
        break;
    case QUARTER:
        if (m->month)
            put_number(out, (m->month - 1) / 3 + 1, 0, false);
        break;
    default:
        put_number(out, m->interval ? julian_of_interval(m) : m->days + 2451545, 0, false);
    }
}

/* variant: digits of the second's fraction */
static void put_fraction(struct buf *out, const struct moment *m, bool filled, int variant)
{
    int n = m->microsecond;
    for (int i = variant; i < 6; i++)
        n /= 10;
    buf_printf(out, "%0*d", variant, n);
}

static int64_t shown_year(int64_t year, bool interval)
{
    return interval || year > 0 ? year : 1 - year;
}

/* variant: digits; + 10: of the ISO year */
static void put_year(struct buf *out, const struct moment *m, bool filled, int variant)
{
    static const int powers[] = {1, 10, 100, 1000};
    int64_t year = m->year;
    if (variant > 10)
        iso_week_of(m->days, &year);
    year = shown_year(year, m->interval);
    int digits = variant % 10;
    put_number(out, digits == 4 ? year : year % powers[digits], digits, filled);
}

static void put_year_comma(struct buf *out, const struct moment *m, bool filled, int variant)
{
    int64_t year = shown_year(m->year, m->interval);
    buf_printf(out, "%lld,%03lld", (long long)(year / 1000), (long long)(year % 1000));
}

static void put_century(struct buf *out, const struct moment *m, bool filled, int variant)
{
    int64_t n = m->interval   ? m->year / 100
                : m->year > 0 ? (m->year - 1) / 100 + 1
                              : m->year / 100 - 1;
    put_number(out, n, n <= 99 && n >= -99 ? 2 : 0, filled);
}

/* ---- names: variant is how they are spelt ------------------------------------------------------
 */

enum { CAPITALS, CAPITAL, SMALL, SHORT = 4, DOTS = 8 };

static void put_word(struct buf *out, const char *word, int variant, int width)
{
    int n = variant & SHORT ? 3 : (int)strlen(word);
    for (int i = 0; i < n; i++) {
        int c = (unsigned char)word[i];
        bool upper = (variant & 3) == CAPITALS || ((variant & 3) == CAPITAL && i == 0);
        buf_printf(out, "%c", upper ? toupper(c) : tolower(c));
    }
    for (; n < width && !(variant & SHORT); n++)
        buf_puts(out, " ");
}

static void put_month_name(struct buf *out, const struct moment *m, bool filled, int variant)
{
    if (m->month)
        put_word(out, months[m->month - 1], variant, filled ? 9 : 0);
}

static void put_weekday_name(struct buf *out, const struct moment *m, bool filled, int variant)
{
    put_word(out, weekdays[m->weekday], variant, filled ? 9 : 0);
}

static void put_pair(struct buf *out, char first, int variant)
{
    const char text[] = {first, variant & DOTS ? '.' : 'M', variant & DOTS ? 'M' : 0, '.', 0};
    put_word(out, text, variant & 3, 0);
}

static void put_half_day(struct buf *out, const struct moment *m, bool filled, int variant)
{
    put_pair(out, (m->hour % 24 + 24) % 24 >= 12 ? 'P' : 'A', variant);
}

static void put_era(struct buf *out, const struct moment *m, bool filled, int variant)
{
    const char *era = m->year <= 0     ? (variant & DOTS ? "B.C." : "BC")
                      : variant & DOTS ? "A.D."
                                       : "AD";
    put_word(out, era, variant & 3, 0);
}

static void put_roman_month(struct buf *out, const struct moment *m, bool filled, int variant)
{
    static const char *const roman[] = {"I",   "II",   "III", "IV", "V",  "VI",
                                        "VII", "VIII", "IX",  "X",  "XI", "XII"};
    if (!m->month && !m->year)
        return;
    /* -1 is XII and -12 is I; no month but years is XII, and I before zero */
    int month = m->month > 0 || (m->month == 0 && m->year >= 0) ? m->month + 11 : m->month + 12;
    put_word(out, roman[month % 12], variant, filled ? 4 : 0);
}

static void put_zone(struct buf *out, const struct moment *m, bool filled, int variant)
{
    if (!m->zoned)
        return;
    _cleanup_(buf_done) struct buf name = {0};
    types__zone_abbreviation(types__zone(), m->utc, &name);
    put_word(out, name.data, variant, 0);
}

enum { ZONE_HOURS, ZONE_MINUTES, ZONE_OFFSET };

static void put_offset(struct buf *out, const struct moment *m, bool filled, int variant)
{
    int32_t offset = m->zoned ? types__zone_offset(types__zone(), m->utc) : 0;
    int hours = (offset < 0 ? -offset : offset) / 3600,
        minutes = (offset < 0 ? -offset : offset) / 60 % 60;
    if (variant == ZONE_MINUTES) {
        buf_printf(out, "%02d", minutes);
        return;
    }
    buf_printf(out, "%c%0*d", offset < 0 ? '-' : '+', filled || variant == ZONE_HOURS ? 2 : 0,
               hours);
    if (variant == ZONE_OFFSET && minutes)
        buf_printf(out, ":%02d", minutes);
}

static void put_nothing(struct buf *out, const struct moment *m, bool filled, int variant)
{
}

/* ---- the patterns: a longer one before one that begins it --------------------------------------
 */

#define BOTH(upper, lower, ...)                                                                    \
    {upper, __VA_ARGS__},                                                                          \
    {                                                                                              \
        lower, __VA_ARGS__                                                                         \
    }
#define COUNT(upper, lower, variant) BOTH(upper, lower, put_count, variant, true, false)
#define DATE_COUNT(upper, lower, variant) BOTH(upper, lower, put_count, variant, true, true)

static const struct pattern patterns[] = {
    {"A.D.", put_era, CAPITALS | DOTS, false, true},
    {"a.d.", put_era, SMALL | DOTS, false, true},
    {"A.M.", put_half_day, CAPITALS | DOTS, false, false},
    {"a.m.", put_half_day, SMALL | DOTS, false, false},
    {"AD", put_era, CAPITALS, false, true},
    {"ad", put_era, SMALL, false, true},
    {"AM", put_half_day, CAPITALS, false, false},
    {"am", put_half_day, SMALL, false, false},
    {"B.C.", put_era, CAPITALS | DOTS, false, true},
    {"b.c.", put_era, SMALL | DOTS, false, true},
    {"BC", put_era, CAPITALS, false, true},
    {"bc", put_era, SMALL, false, true},
    BOTH("CC", "cc", put_century, 0, true, false),
    {"DAY", put_weekday_name, CAPITALS, false, true},
    {"Day", put_weekday_name, CAPITAL, false, true},
    {"day", put_weekday_name, SMALL, false, true},
    COUNT("DDD", "ddd", YEARDAY),
    COUNT("DD", "dd", DAY),
    {"DY", put_weekday_name, CAPITALS | SHORT, false, true},
    {"Dy", put_weekday_name, CAPITAL | SHORT, false, true},
    {"dy", put_weekday_name, SMALL | SHORT, false, true},
    DATE_COUNT("D", "d", WEEKDAY),
    BOTH("FF1", "ff1", put_fraction, 1, true, false),
    BOTH("FF2", "ff2", put_fraction, 2, true, false),
    BOTH("FF3", "ff3", put_fraction, 3, true, false),
    BOTH("FF4", "ff4", put_fraction, 4, true, false),
    BOTH("FF5", "ff5", put_fraction, 5, true, false),
    BOTH("FF6", "ff6", put_fraction, 6, true, false),
    BOTH("FX", "fx", put_nothing, 0, false, false),
    COUNT("HH24", "hh24", HOUR_24),
    COUNT("HH12", "hh12", HOUR_12),
    COUNT("HH", "hh", HOUR_12),
    DATE_COUNT("IDDD", "iddd", ISO_YEARDAY),
    DATE_COUNT("ID", "id", ISO_WEEKDAY),
    DATE_COUNT("IW", "iw", ISO_WEEK),
    BOTH("IYYY", "iyyy", put_year, 14, true, true),
    BOTH("IYY", "iyy", put_year, 13, true, true),
    BOTH("IY", "iy", put_year, 12, true, true),
    BOTH("I", "i", put_year, 11, true, true),
    COUNT("J", "j", JULIAN),
    COUNT("MI", "mi", MINUTE),
    COUNT("MM", "mm", MONTH),
    {"MONTH", put_month_name, CAPITALS, false, true},
    {"Month", put_month_name, CAPITAL, false, true},
    {"month", put_month_name, SMALL, false, true},
    {"MON", put_month_name, CAPITALS | SHORT, false, true},
    {"Mon", put_month_name, CAPITAL | SHORT, false, true},
    {"mon", put_month_name, SMALL | SHORT, false, true},
    BOTH("MS", "ms", put_fraction, 3, true, false),
    BOTH("OF", "of", put_offset, ZONE_OFFSET, false, true),
    {"P.M.", put_half_day, CAPITALS | DOTS, false, false},
    {"p.m.", put_half_day, SMALL | DOTS, false, false},
    {"PM", put_half_day, CAPITALS, false, false},
    {"pm", put_half_day, SMALL, false, false},
    COUNT("Q", "q", QUARTER),
    {"RM", put_roman_month, CAPITALS, false, false},
    {"rm", put_roman_month, SMALL, false, false},
    COUNT("SSSSS", "sssss", DAY_SECONDS),
    COUNT("SSSS", "ssss", DAY_SECONDS),
    COUNT("SS", "ss", SECOND),
    BOTH("TZH", "tzh", put_offset, ZONE_HOURS, false, true),
    BOTH("TZM", "tzm", put_offset, ZONE_MINUTES, false, true),
    {"TZ", put_zone, CAPITALS, false, true},
    {"tz", put_zone, SMALL, false, true},
    BOTH("US", "us", put_fraction, 6, true, false),
    COUNT("WW", "ww", WEEK),
    COUNT("W", "w", MONTH_WEEK),
    BOTH("Y,YYY", "y,yyy", put_year_comma, 0, true, false),
    BOTH("YYYY", "yyyy", put_year, 4, true, false),
    BOTH("YYY", "yyy", put_year, 3, true, false),
    BOTH("YY", "yy", put_year, 2, true, false),
    BOTH("Y", "y", put_year, 1, true, false),
};

static const struct pattern *match(const char *s, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        size_t length = strlen(patterns[i].name);
        if (length <= n && memcmp(patterns[i].name, s, length) == 0)
            return &patterns[i];
    }
    return NULL;
}

/* "st", "nd", "rd", "th" for the number that stands at the end of `out` */
void types__format_ordinal(struct buf *out, bool upper)
{
    static const char *const endings[] = {"th", "st", "nd", "rd"};
    size_t n = out->len;
    int last = n ? out->data[n - 1] - '0' : 0;
    if (last < 0 || last > 3 || (n > 1 && out->data[n - 2] == '1'))
        last = 0;
    put_word(out, endings[last], upper ? CAPITALS : SMALL, 0);
}

const char *types__format_literal(const char *s, const char *end, struct buf *out)
{
    if (*s == '"') {
        for (s++; s < end && *s != '"'; s++) {
            s += *s == '\\' && s + 1 < end;
            buf_append(out, s, 1);
        }
        return s + (s < end);
    }
    s += *s == '\\' && s + 1 < end && s[1] == '"';
    uint32_t c;
    size_t n = types__utf8_decode(s, (size_t)(end - s), &c);
    buf_append(out, s, n);
    return s + n;
}

static bool starts(const char *s, const char *end, const char *upper, const char *lower)
{
    return end - s >= 2 && (memcmp(s, upper, 2) == 0 || memcmp(s, lower, 2) == 0);
}

/* Takes a pattern with what is before and behind it; false: *s is text. A pattern may be missing:
 * FM alone says nothing. */
static bool take_pattern(const char **at, const char *end, const struct pattern **ret,
                         struct time_item *ret_item)
{
    const char *s = *at;
    struct time_item item = {0};
    for (bool more = true; more;) {
        more = true;
        if (starts(s, end, "FM", "fm"))
            item.fill_mode = true;
        else if (starts(s, end, "TM", "tm"))
            item.localized = true;
        else
            more = false;
        s += more ? 2 : 0;
    }
    const struct pattern *p = match(s, (size_t)(end - s));
    if (!p && s == *at)
        return false;
    if (p) {
        item.name = p->name;
        s += strlen(p->name);
        item.upper = s < end && *s == 'T';
        item.ordinal = starts(s, end, "TH", "th");
        if (item.ordinal || starts(s, end, "SP", "sp"))
            s += 2;
    }
    *at = s;
    *ret = p;
    *ret_item = item;
    return true;
}

static struct error *format(const struct value *f, const struct moment *m, struct buf *out)
{
    const char *s = f->s.p, *end = s + f->s.n;
    while (s < end) {
        const struct pattern *p;
        struct time_item item;
        if (!take_pattern(&s, end, &p, &item)) {
            s = types__format_literal(s, end, out);
        } else if (p) {
            if (m->interval && p->date_only)
                return error_hint(
                    error_new("22007", "invalid format specification for an interval value"),
                    "Intervals are not tied to specific calendar dates.");
            p->put(out, m, !item.fill_mode && !item.localized, p->variant);
            if (item.ordinal && p->number)
                types__format_ordinal(out, item.upper);
        }
    }
    return NULL;
}

struct error *types__time_items(const struct value *format, struct arena *a, struct time_item **ret,
                                size_t *ret_n)
{
    const char *s = format->s.p, *end = s + format->s.n;
    if (format->s.n > FORMAT_MAX_BYTES)
        return error_new("54000", "a format of more than %d bytes", FORMAT_MAX_BYTES);
    struct time_item *items = arena_alloc(a, MAX(format->s.n, 1) * sizeof(*items));
    size_t n = 0;
    while (s < end) {
        const struct pattern *p;
        if (take_pattern(&s, end, &p, &items[n])) {
            n += p != NULL;
            continue;
        }
        _cleanup_(buf_done) struct buf text = {0};
        bool quoted = *s == '"';
        s = types__format_literal(s, end, &text);
        uint32_t c;
        for (size_t at = 0; at < text.len; n++) {
            size_t bytes = types__utf8_decode(text.data + at, text.len - at, &c);
            items[n] = (struct time_item){.quoted = quoted};
            memcpy(items[n].text, text.data + at, bytes);
            at += bytes;
        }
    }
    *ret = items;
    *ret_n = n;
    return NULL;
}

/* ---- what is formatted ----------------------------------------------------------------------- */

static void set_time(struct moment *m, int64_t us)
{
    m->hour = us / (3600 * SECOND_US);
    m->minute = (int)(us / (60 * SECOND_US) % 60);
    m->second = (int)(us / SECOND_US % 60);
    m->microsecond = (int)(us % SECOND_US);
}

static struct moment moment_of(int64_t local)
{
    struct moment m = {.days = types__timestamp_days(local)};
    types__civil_of(m.days, &m.year, &m.month, &m.day);
    m.weekday = (int)(((m.days + 6) % 7 + 7) % 7);
    m.yearday = (int)(m.days - types__days_of(m.year, 1, 1)) + 1;
    set_time(&m, local - m.days * DAY_US);
    return m;
}

static struct error *finish(const struct value *f, const struct moment *m, struct arena *a,
                            struct value *ret)
{
    _cleanup_(buf_done) struct buf out = {0};
    TRY(format(f, m, &out));
    *ret = types__text_of(a, &out);
    return NULL;
}

static bool is_null(const struct value *v)
{
    return v[1].s.n == 0 || v[0].i == TIMESTAMP_NEVER || v[0].i == TIMESTAMP_EVER;
}

static CALL(timestamp_to_char)
{
    *ret = (struct value){.kind = VALUE_NULL};
    if (is_null(v))
        return NULL;
    const struct moment m = moment_of(v[0].i);
    return finish(&v[1], &m, a, ret);
}

static CALL(timestamptz_to_char)
{
    *ret = (struct value){.kind = VALUE_NULL};
    if (is_null(v))
        return NULL;
    struct moment m = moment_of(types__local_of(types__zone(), v[0].i));
    m.zoned = true;
    m.utc = v[0].i;
    return finish(&v[1], &m, a, ret);
}

static CALL(interval_to_char)
{
    struct interval i;
    *ret = (struct value){.kind = VALUE_NULL};
    if (v[1].s.n == 0)
        return NULL;
    TRY(interval_of(&v[0], &i));
    struct moment m = {.interval = true,
                       .year = i.months / MONTHS_IN_YEAR,
                       .month = i.months % MONTHS_IN_YEAR,
                       .day = i.days};
    m.yearday = (int)((m.year * MONTHS_IN_YEAR + m.month) * 30 + m.day);
    set_time(&m, i.us);
    return finish(&v[1], &m, a, ret);
}

static const struct func rows[] = {
    SCALAR2("to_char", OID_TIMESTAMP, OID_TEXT, OID_TEXT, "timestamp_to_char", timestamp_to_char),
    SCALAR2("to_char", OID_TIMESTAMPTZ, OID_TEXT, OID_TEXT, "timestamptz_to_char",
            timestamptz_to_char),
    SCALAR2("to_char", OID_INTERVAL, OID_TEXT, OID_TEXT, "interval_to_char", interval_to_char),
};

const struct func_rows types__format_time_funcs = {rows, ARRAY_LEN(rows)};
