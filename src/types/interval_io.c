/*
 * The text form of interval. In SQLite and in struct value an interval is the text that PostgreSQL
 * prints under IntervalStyle postgres, ordered by the collation minisql_interval; here it is read
 * and printed.
 *
 * Input, as PostgreSQL 15 takes it:
 *
 *     text   := [@] { item } [ago] | iso
 *     item   := number [unit] | [+-] hh:mm[:ss[.f]] | [+-] years-months
 *     iso    := P [nY][nM][nW][nD] [ T [nH][nM][nS] ]
 *             | P yyyymmdd [ T hhmmss ] | P years-months-days [ T hours:minutes:seconds ]
 *
 * Items are read from the last to the first, as a number without a unit takes its meaning from what
 * stands behind it: days before a time ("3 04:05:06"), seconds at the end. Each unit may occur
 * once. Fractions of a unit go down to the next ones: half a year is 6 mons, half a month 15 days,
 * half a day 12 hours.
 */
#include "types/interval.h"
#include "types/zone.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (3600 * SECOND_US)
enum { DAYS_IN_MONTH = 30, MAX_ITEMS = 25, MAX_TEXT = 512, WORD_LENGTH = 10 };

/* ---- units -------------------------------------------------------------------------------- */

enum unit {
    UNIT_NONE,
    UNIT_MICROSECOND,
    UNIT_MILLISECOND,
    UNIT_SECOND,
    UNIT_MINUTE,
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_YEAR,
    UNIT_DECADE,
    UNIT_CENTURY,
    UNIT_MILLENNIUM,
    UNIT_AGO,
};

/* Ten letters count, as in PostgreSQL: "microsecondly" is one, too. */
static const struct {
    const char *word;
    enum unit unit;
} words[] = {
    {"ago", UNIT_AGO},
    {"c", UNIT_CENTURY},
    {"cent", UNIT_CENTURY},
    {"centuries", UNIT_CENTURY},
    {"century", UNIT_CENTURY},
    {"d", UNIT_DAY},
    {"day", UNIT_DAY},
    {"days", UNIT_DAY},
    {"dec", UNIT_DECADE},
    {"decade", UNIT_DECADE},
    {"decades", UNIT_DECADE},
    {"decs", UNIT_DECADE},
    {"h", UNIT_HOUR},
    {"hour", UNIT_HOUR},
    {"hours", UNIT_HOUR},
    {"hr", UNIT_HOUR},
    {"hrs", UNIT_HOUR},
    {"m", UNIT_MINUTE},
    {"microsecon", UNIT_MICROSECOND},
    {"mil", UNIT_MILLENNIUM},
    {"millennia", UNIT_MILLENNIUM},
    {"millennium", UNIT_MILLENNIUM},
    {"millisecon", UNIT_MILLISECOND},
    {"mils", UNIT_MILLENNIUM},
    {"min", UNIT_MINUTE},
    {"mins", UNIT_MINUTE},
    {"minute", UNIT_MINUTE},
    {"minutes", UNIT_MINUTE},
    {"mon", UNIT_MONTH},
    {"mons", UNIT_MONTH},
    {"month", UNIT_MONTH},
    {"months", UNIT_MONTH},
    {"ms", UNIT_MILLISECOND},
    {"msec", UNIT_MILLISECOND},
    {"msecond", UNIT_MILLISECOND},
    {"mseconds", UNIT_MILLISECOND},
    {"msecs", UNIT_MILLISECOND},
    {"s", UNIT_SECOND},
    {"sec", UNIT_SECOND},
    {"second", UNIT_SECOND},
    {"seconds", UNIT_SECOND},
    {"secs", UNIT_SECOND},
    {"us", UNIT_MICROSECOND},
    {"usec", UNIT_MICROSECOND},
    {"usecond", UNIT_MICROSECOND},
    {"useconds", UNIT_MICROSECOND},
    {"usecs", UNIT_MICROSECOND},
    {"w", UNIT_WEEK},
    {"week", UNIT_WEEK},
    {"weeks", UNIT_WEEK},
    {"y", UNIT_YEAR},
    {"year", UNIT_YEAR},
    {"years", UNIT_YEAR},
    {"yr", UNIT_YEAR},
    {"yrs", UNIT_YEAR},
};

static enum unit unit_of(const char *s, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t len = strlen(words[i].word);
        if (MIN(n, WORD_LENGTH) == len && strncasecmp(words[i].word, s, len) == 0)
            return words[i].unit;
    }
    return UNIT_NONE;
}

/* ---- adding up ------------------------------------------------------------------------------ */

enum outcome { GOOD, BAD_SYNTAX, BAD_FIELD };

struct reading {
    struct interval sum; /* without .. */
    int32_t years;
    unsigned seen; /* bit of each unit that was given */
    int fields;    /* that the type has */
    bool sql;      /* a sign at the beginning may be one of all parts .. */
    bool negative; /* .. and is */
};

static bool add32(int32_t *to, int64_t by)
{
    int64_t sum = *to + by;
    if (by > INT32_MAX || by < INT32_MIN || sum > INT32_MAX || sum < INT32_MIN)
        return false;
    *to = (int32_t)sum;
    return true;
}

static bool add_us(struct reading *r, int64_t count, int64_t unit_us, double fraction)
{
    int64_t us;
    return !__builtin_mul_overflow(count, unit_us, &us) &&
           !__builtin_add_overflow(r->sum.us, us, &r->sum.us) &&
           !__builtin_add_overflow(r->sum.us, (int64_t)rint(fraction * (double)unit_us),
                                   &r->sum.us);
}

/* A part of `days` days: whole ones, and the rest as time. */
static bool add_day_part(struct reading *r, double fraction, int days)
{
    fraction *= days;
    int whole = (int)fraction;
    return add32(&r->sum.days, whole) && add_us(r, 0, DAY_US, fraction - whole);
}

static bool add_years(struct reading *r, int64_t count, int years, double fraction)
{
    int64_t n;
    return !__builtin_mul_overflow(count, years, &n) && add32(&r->years, n) &&
           add32(&r->sum.months, (int64_t)rint(fraction * years * MONTHS_IN_YEAR));
}

static bool add_unit(struct reading *r, enum unit unit, int64_t count, double fraction)
{
    switch (unit) {
    case UNIT_MICROSECOND:
        return add_us(r, count, 1, fraction);
    case UNIT_MILLISECOND:
        return add_us(r, count, 1000, fraction);
    case UNIT_SECOND:
        return add_us(r, count, SECOND_US, fraction);
    case UNIT_MINUTE:
        return add_us(r, count, MINUTE_US, fraction);
    case UNIT_HOUR:
        return add_us(r, count, HOUR_US, fraction);
    case UNIT_DAY:
        return add32(&r->sum.days, count) && add_us(r, 0, DAY_US, fraction);
    case UNIT_WEEK: {
        int64_t days;
        return !__builtin_mul_overflow(count, 7, &days) && add32(&r->sum.days, days) &&
               add_day_part(r, fraction, 7);
    }
    case UNIT_MONTH:
        return add32(&r->sum.months, count) && add_day_part(r, fraction, DAYS_IN_MONTH);
    case UNIT_YEAR:
        return add_years(r, count, 1, fraction);
    case UNIT_DECADE:
        return add_years(r, count, 10, fraction);
    case UNIT_CENTURY:
        return add_years(r, count, 100, fraction);
    default:
        return add_years(r, count, 1000, fraction);
    }
}

static bool mark(struct reading *r, unsigned units)
{
    if (r->seen & units)
        return false;
    r->seen |= units;
    return true;
}

static unsigned bit(enum unit u)
{
    return 1u << u;
}

/* ---- items ---------------------------------------------------------------------------------- */

struct item {
    const char *p; /* 0-terminated */
    bool word;
};

/* A number's whole part and fraction, both with its sign; `end` is where it stops. */
static bool read_number(const char *p, int64_t *ret, double *ret_fraction, const char **ret_end)
{
    char *end;
    bool negative = *p == '-';
    const char *digits = p + (*p == '-' || *p == '+');
    errno = 0;
    *ret = 0;
    *ret_fraction = 0;
    if (isdigit((unsigned char)*digits)) {
        *ret = strtoll(p, &end, 10);
    } else if (*digits == '.' && isdigit((unsigned char)digits[1])) {
        end = (char *)(uintptr_t)digits;
    } else {
        return false;
    }
    if (*end == '.') {
        char text[64] = "0";
        size_t n = strspn(end + 1, "0123456789") + 1;
        memcpy(text + 1, end, MIN(n, sizeof(text) - 2));
        text[1 + MIN(n, sizeof(text) - 2)] = 0;
        *ret_fraction = strtod(text, NULL) * (negative ? -1 : 1);
        end += n;
    }
    *ret_end = end;
    return true;
}

static enum outcome read_clock(struct reading *r, const char *p)
{
    bool negative = *p == '-';
    p += *p == '-' || *p == '+';
    int64_t part[3] = {0};
    double fraction = 0;
    int n = 0;
    while (n < 3) {
        char *end;
        if (!isdigit((unsigned char)*p))
            return BAD_SYNTAX;
        errno = 0;
        part[n++] = strtoll(p, &end, 10);
        if (errno)
            return BAD_FIELD;
        p = end;
        if (*p != ':')
            break;
        p++;
    }
    bool fraction_said = *p == '.';
    if (fraction_said) {
        char text[64] = "0";
        size_t len = strspn(p + 1, "0123456789") + 1;
        memcpy(text + 1, p, MIN(len, sizeof(text) - 2));
        fraction = strtod(text, NULL);
        p += len;
    }
    /* 10:20.5 is minutes and seconds, and so is 10:20 where they are all that there is */
    if (n == 2 && (fraction_said || r->fields == (INTERVAL_MINUTE | INTERVAL_SECOND))) {
        part[2] = part[1];
        part[1] = part[0];
        part[0] = 0;
    }
    if (*p || n < 2)
        return BAD_SYNTAX;
    if (part[1] > 59 || part[2] > 60)
        return BAD_FIELD;
    if (!mark(r, bit(UNIT_HOUR) | bit(UNIT_MINUTE) | bit(UNIT_SECOND) | bit(UNIT_MILLISECOND) |
                     bit(UNIT_MICROSECOND)))
        return BAD_SYNTAX;
    int64_t sign = negative || r->negative ? -1 : 1;
    r->sum.us = 0; /* parts of days behind it are forgotten, as in PostgreSQL */
    bool fits = add_us(r, sign * part[0], HOUR_US, 0) && add_us(r, sign * part[1], MINUTE_US, 0) &&
                add_us(r, sign * part[2], SECOND_US, (double)sign * fraction);
    return fits ? GOOD : BAD_FIELD;
}

/* "1-2": years and months */
static enum outcome read_years_months(struct reading *r, const char *p, int64_t years,
                                      const char *end)
{
    char *last;
    long months = isdigit((unsigned char)end[1]) ? strtol(end + 1, &last, 10) : -1;
    if (months < 0 || *last)
        return BAD_SYNTAX;
    if (months >= MONTHS_IN_YEAR)
        return BAD_FIELD;
    int64_t n;
    if (!mark(r, bit(UNIT_MONTH)))
        return BAD_SYNTAX;
    years = r->negative && years > 0 ? -years : years;
    bool fits = !__builtin_mul_overflow(years, (int64_t)MONTHS_IN_YEAR, &n) &&
                !__builtin_add_overflow(n, *p == '-' || r->negative ? -months : months, &n) &&
                add32(&r->sum.months, n);
    return fits ? GOOD : BAD_FIELD;
}

/* What a number without a unit counts */
static enum unit last_unit(int fields)
{
    if (fields == INTERVAL_ALL_FIELDS || (fields & INTERVAL_SECOND))
        return UNIT_SECOND;
    return fields & INTERVAL_MINUTE  ? UNIT_MINUTE
           : fields & INTERVAL_HOUR  ? UNIT_HOUR
           : fields & INTERVAL_DAY   ? UNIT_DAY
           : fields & INTERVAL_MONTH ? UNIT_MONTH
           : fields & INTERVAL_YEAR  ? UNIT_YEAR
                                     : UNIT_SECOND;
}

static enum outcome read_item(struct reading *r, const char *p, enum unit *unit)
{
    int64_t count;
    double fraction;
    const char *end;
    if (strchr(p, ':')) {
        *unit = UNIT_DAY;
        return read_clock(r, p);
    }
    if (!read_number(p, &count, &fraction, &end))
        return BAD_SYNTAX;
    if (errno)
        return BAD_FIELD;
    if (*end == '-' && fraction == 0) {
        *unit = UNIT_MONTH;
        return read_years_months(r, p, count, end);
    }
    if (*end)
        return BAD_SYNTAX;
    if (*unit == UNIT_AGO)
        return BAD_SYNTAX;
    if (*unit == UNIT_NONE)
        *unit = last_unit(r->fields);
    unsigned units = bit(*unit);
    if (*unit == UNIT_SECOND && fraction != 0)
        units |= bit(UNIT_MILLISECOND) | bit(UNIT_MICROSECOND);
    if (!mark(r, units))
        return BAD_SYNTAX;
    if (r->negative && (count > 0 || fraction > 0)) {
        count = -count;
        fraction = -fraction;
    }
    bool fits = add_unit(r, *unit, count, fraction);
    if (*unit == UNIT_HOUR) /* '1 2 hours': a day before them */
        *unit = UNIT_DAY;
    return fits ? GOOD : BAD_FIELD;
}

static size_t item_length(const char *p, bool word)
{
    size_t n = 1;
    if (word)
        while (isalpha((unsigned char)p[n]))
            n++;
    else
        while (isdigit((unsigned char)p[n]) || p[n] == ':' || p[n] == '.' || p[n] == '-')
            n++;
    return n;
}

/* Cuts the text into items, in `room`; -1: something that is none. */
static int split(const char *s, size_t n, char *room, struct item *items)
{
    char text[MAX_TEXT];
    int count = 0;
    memcpy(text, s, n);
    text[n] = 0;
    for (const char *p = text; *p;) {
        bool word = isalpha((unsigned char)*p);
        bool sign = *p == '-' || *p == '+';
        bool number = *p == '.' || isdigit((unsigned char)*p);
        if (!word && !sign && !number &&
            (isspace((unsigned char)*p) || ispunct((unsigned char)*p))) {
            p++; /* as PostgreSQL does: "@ 1 day", "[1:3]" */
            continue;
        }
        if (count == MAX_ITEMS || !(word || sign || number))
            return -1;
        items[count] = (struct item){.p = room, .word = word};
        if (sign) { /* blanks may follow it */
            *room++ = *p++;
            while (isspace((unsigned char)*p))
                p++;
            if (!isdigit((unsigned char)*p)) /* not even -.5 */
                return -1;
        }
        size_t len = item_length(p, word);
        memcpy(room, p, len);
        room[len] = 0;
        room += len + 1;
        p += len;
        count++;
    }
    return count;
}

static enum outcome read_items(const char *s, size_t n, struct reading *r, bool *ret_ago)
{
    char room[2 * MAX_TEXT];
    struct item items[MAX_ITEMS];
    int count = split(s, n, room, items);
    enum unit unit = UNIT_NONE;
    *ret_ago = false;
    /* under IntervalStyle sql_standard: '-1 2:00:00', if there is no other sign */
    r->negative = r->sql && count > 0 && *items[0].p == '-';
    for (int i = 1; i < count; i++)
        r->negative &= *items[i].p != '-' && *items[i].p != '+';
    for (int i = count; i-- > 0;) {
        enum outcome o = GOOD;
        if (items[i].word) {
            enum unit u = unit_of(items[i].p, strlen(items[i].p));
            if (u == UNIT_NONE)
                return BAD_SYNTAX;
            if (u == UNIT_AGO)
                *ret_ago = true;
            unit = u;
        } else {
            o = read_item(r, items[i].p, &unit);
        }
        if (o != GOOD)
            return o;
    }
    return count <= 0 || !r->seen ? BAD_SYNTAX : GOOD;
}

/* ---- ISO 8601 -------------------------------------------------------------------------------- */

/* Numbers are doubles here, as in PostgreSQL: P1.5e3Y. */
static enum outcome iso_number(const char **p, int64_t *ret, double *ret_fraction)
{
    char *end;
    if (!isdigit((unsigned char)**p) && **p != '-' && **p != '.')
        return BAD_SYNTAX;
    errno = 0;
    double v = strtod(*p, &end);
    if (end == *p || errno || isnan(v))
        return BAD_SYNTAX;
    if (v < -1e15 || v > 1e15)
        return BAD_FIELD;
    *ret = (int64_t)v;
    *ret_fraction = v - (double)*ret;
    *p = end;
    return GOOD;
}

static enum outcome iso_field(struct reading *r, const char **p, enum unit unit)
{
    int64_t count;
    double fraction;
    enum outcome o = iso_number(p, &count, &fraction);
    if (o != GOOD)
        return o;
    return add_unit(r, unit, count, fraction) ? GOOD : BAD_FIELD;
}

/* Fields with something between them, from the first: 2-10-15, 4:05:06; some may be missing at the
 * end. The place behind them is the text's end, or the T. */
static enum outcome iso_separated(struct reading *r, const char **p, bool time)
{
    static const enum unit dates[] = {UNIT_YEAR, UNIT_MONTH, UNIT_DAY},
                           times[] = {UNIT_HOUR, UNIT_MINUTE, UNIT_SECOND};
    for (int i = 0; i < 3; i++) {
        enum outcome o = iso_field(r, p, time ? times[i] : dates[i]);
        if (o != GOOD)
            return o;
        if (!**p || (**p == 'T' && !time))
            return GOOD;
        if (i == 2 || **p != (time ? ':' : '-'))
            return BAD_SYNTAX;
        ++*p;
    }
    return GOOD;
}

/* 20240105 or 040506: digits of no field in particular */
static enum outcome iso_run_together(struct reading *r, const char **p, bool time)
{
    int64_t v;
    double fraction;
    enum outcome o = iso_number(p, &v, &fraction);
    if (o != GOOD)
        return o;
    bool fits = add_unit(r, time ? UNIT_HOUR : UNIT_YEAR, v / 10000, 0) &&
                add_unit(r, time ? UNIT_MINUTE : UNIT_MONTH, v / 100 % 100, 0) &&
                add_unit(r, time ? UNIT_SECOND : UNIT_DAY, v % 100, fraction);
    return fits ? GOOD : BAD_FIELD;
}

/* A part before or behind the T; *p stops at what ends it. */
static enum outcome iso_part(struct reading *r, const char **p, bool time)
{
    static const struct {
        char letter;
        bool time;
        enum unit unit;
    } letters[] = {{'Y', false, UNIT_YEAR}, {'M', false, UNIT_MONTH}, {'W', false, UNIT_WEEK},
                   {'D', false, UNIT_DAY},  {'H', true, UNIT_HOUR},   {'M', true, UNIT_MINUTE},
                   {'S', true, UNIT_SECOND}};
    for (bool first = true; **p && **p != 'T'; first = false) {
        int64_t count;
        double fraction;
        const char *start = *p, *end = *p;
        enum outcome o = iso_number(&end, &count, &fraction);
        if (o != GOOD)
            return o;
        bool ends = !*end || (*end == 'T' && !time);
        if (ends || *end == (time ? ':' : '-')) {
            if (!first)
                return BAD_SYNTAX;
            size_t width = strspn(start + (*start == '-'), "0123456789");
            return ends && width == (time ? 6 : 8) ? iso_run_together(r, p, time)
                                                   : iso_separated(r, p, time);
        }
        enum unit unit = UNIT_NONE;
        for (size_t i = 0; i < ARRAY_LEN(letters); i++)
            if (letters[i].letter == *end && letters[i].time == time)
                unit = letters[i].unit;
        if (unit == UNIT_NONE)
            return BAD_SYNTAX;
        if (!add_unit(r, unit, count, fraction))
            return BAD_FIELD;
        *p = end + 1;
    }
    return GOOD;
}

static enum outcome read_iso(const char *s, size_t n, struct reading *r)
{
    char text[MAX_TEXT];
    memcpy(text, s, n);
    text[n] = 0;
    const char *p = text + 1;
    if (n < 2 || *text != 'P')
        return BAD_SYNTAX;
    enum outcome o = iso_part(r, &p, false);
    if (o != GOOD || !*p)
        return o;
    p++;
    o = iso_part(r, &p, true);
    return o == GOOD && *p ? BAD_SYNTAX : o;
}

/* ---- the whole of it ---------------------------------------------------------------------------
 */

struct error *interval_read(const char *s, size_t n, struct interval *ret)
{
    return interval_read_fields(s, n, INTERVAL_ALL_FIELDS, ret);
}

/* x ago; false: there is nothing on the other side of the smallest. */
static bool turn(struct reading *r)
{
    if (r->sum.us == INT64_MIN || r->sum.days == INT32_MIN || r->sum.months == INT32_MIN ||
        r->years == INT32_MIN)
        return false;
    r->sum = (struct interval){.us = -r->sum.us, .days = -r->sum.days, .months = -r->sum.months};
    r->years = -r->years;
    return true;
}

static struct error *read_text(const char *s, size_t n, int fields, bool sql, struct interval *ret)
{
    struct reading r = {.fields = fields, .sql = sql};
    enum outcome o = BAD_SYNTAX;
    bool ago = false;
    if (n < MAX_TEXT && !memchr(s, 0, n)) {
        o = read_items(s, n, &r, &ago);
        if (o == BAD_SYNTAX) {
            r = (struct reading){.fields = fields};
            o = read_iso(s, n, &r);
        }
    }
    if (o == GOOD && ago && !turn(&r))
        o = BAD_FIELD;
    if (o == BAD_FIELD)
        return error_new("22015", "interval field value out of range: \"%.*s\"", (int)MIN(n, 1000),
                         s);
    if (o == BAD_SYNTAX)
        return error_new(E_BAD_DATETIME, "invalid input syntax for type interval: \"%.*s\"",
                         (int)MIN(n, 1000), s);
    int64_t months = (int64_t)r.years * MONTHS_IN_YEAR;
    if (months > INT32_MAX || months < INT32_MIN || !add32(&r.sum.months, months))
        return interval_out_of_range();
    *ret = r.sum;
    return NULL;
}

struct error *interval_read_fields(const char *s, size_t n, int fields, struct interval *ret)
{
    return read_text(s, n, fields, false, ret);
}

/* ---- the type's row ------------------------------------------------------------------------- */

struct error *interval_of(const struct value *v, struct interval *ret)
{
    return interval_read(v->s.p, v->s.n, ret);
}

struct value interval_value(const struct interval *i, struct arena *a)
{
    _cleanup_(buf_done) struct buf text = {0};
    interval_print(i, &text);
    return types__text_of(a, &text);
}

static int fields_of(int32_t typmod)
{
    return typmod >> 16 & INTERVAL_ALL_FIELDS;
}

/* What lies below the last field goes, and digits of the seconds. */
static void fit(struct interval *i, int32_t typmod)
{
    if (typmod < 0)
        return;
    int fields = fields_of(typmod), digits = typmod & INTERVAL_ALL_DIGITS;
    bool time = (fields & (INTERVAL_HOUR | INTERVAL_MINUTE | INTERVAL_SECOND)) != 0;
    if (fields == INTERVAL_YEAR)
        i->months -= i->months % MONTHS_IN_YEAR;
    if (!time && !(fields & INTERVAL_DAY))
        i->days = 0;
    if (!time)
        i->us = 0;
    else if (!(fields & INTERVAL_SECOND))
        i->us -= i->us % (fields & INTERVAL_MINUTE ? MINUTE_US : HOUR_US);
    int64_t unit = 1;
    for (int k = digits; k < 6; k++)
        unit *= 10;
    int64_t half = i->us < 0 ? -(unit / 2) : unit / 2;
    if (unit > 1 && !__builtin_add_overflow(i->us, half, &half))
        i->us = half - half % unit;
}

struct error *types__interval_fit(struct value *v, int32_t typmod, struct arena *a)
{
    struct interval i;
    if (typmod < 0)
        return NULL;
    TRY(interval_of(v, &i));
    fit(&i, typmod);
    *v = interval_value(&i, a);
    return NULL;
}

struct error *types__interval_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                    struct value *ret)
{
    struct interval i;
    TRY(read_text(s, n, typmod < 0 ? INTERVAL_ALL_FIELDS : fields_of(typmod),
                  types__style()->intervals == INTERVALS_SQL, &i));
    fit(&i, typmod);
    *ret = interval_value(&i, a);
    return NULL;
}

struct error *types__interval_recv(const char *s, size_t n, int32_t typmod, struct arena *a,
                                   struct value *ret)
{
    struct reader r = reader_of(s, n);
    struct interval i;
    i.us = (int64_t)read64(&r);
    i.days = (int32_t)read32(&r);
    i.months = (int32_t)read32(&r);
    if (!reader_ok(&r) || n != 16)
        return error_new(E_BAD_BINARY, "incorrect binary data format");
    fit(&i, typmod);
    *ret = interval_value(&i, a);
    return NULL;
}

void types__interval_send(const struct value *v, int32_t typmod, struct buf *out)
{
    (void)typmod;
    struct interval i = {0};
    error_free(interval_of(v, &i)); /* what is stored was printed here */
    buf_put64(out, (uint64_t)i.us);
    buf_put32(out, (uint32_t)i.days);
    buf_put32(out, (uint32_t)i.months);
}

int types__interval_compare(const struct value *x, const struct value *y)
{
    struct interval a = {0}, b = {0};
    error_free(interval_of(x, &a));
    error_free(interval_of(y, &b));
    return interval_compare(&a, &b);
}
