/*
 * The text form of interval. In SQLite and in struct value an interval is the text that PostgreSQL
 * prints under IntervalStyle postgres, ordered by the collation minisql_interval; here it is read
 * and printed.
 *
 * Input, as PostgreSQL 15 takes it:
 *
 *     text   := { piece } | iso
 *     piece  := number | unit | [+-] hh:mm[:ss[.f]] | [+-] years-months | ago
 *     iso    := P [nY][nM][nW][nD] [ T [nH][nM][nS] ]
 *             | P yyyymmdd [ T hhmmss ] | P years-months-days [ T hours:minutes:seconds ]
 *
 * Pieces (datetime_cut.c) are read from the last to the first, as a number without a unit takes its
 * meaning from what stands behind it: days before a time ("3 04:05:06"), seconds at the end. Each
 * unit may occur once. Fractions of a unit go down to the next ones: half a year is 6 mons, half a
 * month 15 days, half a day 12 hours.
 */
#include "types/datetime_cut.h"
#include "types/interval.h"
#include "types/zone.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (3600 * SECOND_US)
enum { DAYS_IN_MONTH = 30, MAX_TEXT = 512, WORD_LENGTH = 10 };

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
    UNIT_AGO,   /* from here on they count nothing */
    UNIT_OTHER, /* it may stand where no number is before it */
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
    {"qtr", UNIT_OTHER},
    {"quarter", UNIT_OTHER},
    {"s", UNIT_SECOND},
    {"sec", UNIT_SECOND},
    {"second", UNIT_SECOND},
    {"seconds", UNIT_SECOND},
    {"secs", UNIT_SECOND},
    {"timezone", UNIT_OTHER},
    {"timezone_h", UNIT_OTHER},
    {"timezone_m", UNIT_OTHER},
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
    bool ago;
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

/* Half a microsecond counts for none, as in PostgreSQL. */
static bool add_us(struct reading *r, int64_t count, int64_t unit_us, double fraction)
{
    int64_t us, part = (int64_t)(fraction *= (double)unit_us);
    fraction -= (double)part;
    part += fraction > 0.5 ? 1 : fraction < -0.5 ? -1 : 0;
    return !__builtin_mul_overflow(count, unit_us, &us) &&
           !__builtin_add_overflow(r->sum.us, us, &r->sum.us) &&
           !__builtin_add_overflow(r->sum.us, part, &r->sum.us);
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

static enum outcome mark(struct reading *r, unsigned units)
{
    bool twice = r->seen & units;
    r->seen |= units;
    return twice ? BAD_SYNTAX : GOOD;
}

static unsigned bit(enum unit u)
{
    return 1u << u;
}

/* ---- pieces ------------------------------------------------------------------------------ */

/* Digits with a sign, perhaps none at all: 0. False: beyond `min` .. `max`. */
static bool read_digits(const char **p, int64_t min, int64_t max, int64_t *ret)
{
    char *end;
    errno = 0;
    *ret = strtoll(*p, &end, 10);
    *p = end;
    return !errno && *ret >= min && *ret <= max;
}

/* From the point to the end of the piece. */
static bool read_fraction(const char *p, double *ret)
{
    char *end;
    errno = 0;
    *ret = p[1] ? strtod(p, &end) : 0;
    return !p[1] || (!*end && !errno);
}

/* 4:05, 4:05:06.7, 4:05.7 (minutes), 4::06: what is missing is 0 */
static enum outcome read_clock(const struct reading *r, const char *p, int64_t *ret_us)
{
    int64_t part[3] = {0};
    double fraction = 0;
    if (!read_digits(&p, INT64_MIN, INT64_MAX, &part[0]))
        return BAD_FIELD;
    if (*p++ != ':')
        return BAD_SYNTAX;
    if (!read_digits(&p, INT32_MIN, INT32_MAX, &part[1]))
        return BAD_FIELD;
    bool hours = *p == ':';
    if (hours) {
        p++;
        if (!read_digits(&p, INT32_MIN, INT32_MAX, &part[2]))
            return BAD_FIELD;
    }
    bool point = *p == '.';
    if (*p && (!point || !read_fraction(p, &fraction)))
        return BAD_SYNTAX;
    /* 10:20.5 is minutes and seconds, and so is 10:20 where they are all that there is */
    if (!hours && (point || r->fields == (INTERVAL_MINUTE | INTERVAL_SECOND))) {
        if (part[0] > INT32_MAX || part[0] < INT32_MIN)
            return BAD_FIELD;
        part[2] = part[1];
        part[1] = part[0];
        part[0] = 0;
    }
    if (part[0] < 0 || part[1] < 0 || part[1] > 59 || part[2] < 0 || part[2] > 60)
        return BAD_FIELD;
    /* parts of days behind it are forgotten, as in PostgreSQL */
    struct reading clock = {0};
    bool fits = add_us(&clock, 0, SECOND_US, rint(fraction * SECOND_US) / SECOND_US) &&
                add_us(&clock, part[0], HOUR_US, 0) && add_us(&clock, part[1], MINUTE_US, 0) &&
                add_us(&clock, part[2], SECOND_US, 0);
    *ret_us = clock.sum.us;
    return fits ? GOOD : BAD_FIELD;
}

static enum outcome set_clock(struct reading *r, int64_t us)
{
    r->sum.us = r->negative && us > 0 ? -us : us;
    return mark(r, bit(UNIT_HOUR) | bit(UNIT_MINUTE) | bit(UNIT_SECOND) | bit(UNIT_MILLISECOND) |
                       bit(UNIT_MICROSECOND));
}

/* The 2 of "1-2", years and months, which are one number of months. */
static enum outcome read_months(const char *p, bool negative, int64_t *count)
{
    int64_t months;
    if (!read_digits(&p, 0, MONTHS_IN_YEAR - 1, &months))
        return BAD_FIELD;
    if (*p)
        return BAD_SYNTAX;
    return __builtin_mul_overflow(*count, (int64_t)MONTHS_IN_YEAR, count) ||
                   __builtin_add_overflow(*count, negative ? -months : months, count)
               ? BAD_FIELD
               : GOOD;
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

static enum outcome read_number(struct reading *r, const char *p, enum unit *unit)
{
    bool negative = *p == '-';
    int64_t count;
    double fraction = 0;
    if (*unit == UNIT_NONE)
        *unit = last_unit(r->fields);
    if (!read_digits(&p, INT64_MIN, INT64_MAX, &count))
        return BAD_FIELD;
    if (*p == '-') {
        *unit = UNIT_MONTH;
        enum outcome o = read_months(p + 1, negative, &count);
        if (o != GOOD)
            return o;
    } else if (*p == '.' && read_fraction(p, &fraction)) {
        fraction = negative ? -fraction : fraction;
    } else if (*p) {
        return BAD_SYNTAX;
    }
    if (*unit >= UNIT_AGO)
        return BAD_SYNTAX;
    if (r->negative) {
        count = count > 0 ? -count : count;
        fraction = fraction > 0 ? -fraction : fraction;
    }
    if (!add_unit(r, *unit, count, fraction))
        return BAD_FIELD;
    unsigned units = bit(*unit);
    if (*unit == UNIT_SECOND && fraction != 0)
        units |= bit(UNIT_MILLISECOND) | bit(UNIT_MICROSECOND);
    if (*unit == UNIT_HOUR) /* '1 2 hours': a day before them */
        *unit = UNIT_DAY;
    return mark(r, units);
}

/* -1:30; the sign is of the whole. False: a number then, or nothing. */
static bool read_signed_clock(struct reading *r, const char *p, enum outcome *ret)
{
    int64_t us;
    if (!strchr(p, ':') || read_clock(r, p + 1, &us) != GOOD)
        return false;
    *ret = set_clock(r, *p == '-' ? -us : us);
    return true;
}

static enum outcome read_piece(struct reading *r, const struct piece *p, enum unit *unit)
{
    enum outcome o;
    int64_t us;
    switch (p->kind) {
    case PIECE_WORD:
        *unit = unit_of(p->text, strlen(p->text));
        r->ago |= *unit == UNIT_AGO;
        return *unit == UNIT_NONE ? BAD_SYNTAX : GOOD;
    case PIECE_CLOCK:
        *unit = UNIT_DAY;
        o = read_clock(r, p->text, &us);
        return o == GOOD ? set_clock(r, us) : o;
    case PIECE_OFFSET:
        if (read_signed_clock(r, p->text, &o)) {
            *unit = UNIT_DAY;
            return o;
        }
        return read_number(r, p->text, unit);
    default:
        return read_number(r, p->text, unit);
    }
}

static enum outcome read_pieces(const char *s, size_t n, struct reading *r)
{
    struct pieces pieces;
    enum unit unit = UNIT_NONE;
    if (!types__cut(s, n, MAX_BYTES, &pieces))
        return BAD_SYNTAX;
    /* under IntervalStyle sql_standard: '-1 2:00:00', if there is no other sign */
    r->negative = r->sql && pieces.n > 0 && *pieces.all[0].text == '-';
    for (int i = 1; i < pieces.n; i++)
        r->negative &= *pieces.all[i].text != '-' && *pieces.all[i].text != '+';
    for (int i = pieces.n; i-- > 0;) {
        enum outcome o = read_piece(r, &pieces.all[i], &unit);
        if (o != GOOD)
            return o;
    }
    return r->seen ? GOOD : BAD_SYNTAX;
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
    if (end == *p || errno)
        return BAD_SYNTAX;
    if (isnan(v) || v < -1e15 || v > 1e15)
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
                add_unit(r, time ? UNIT_SECOND : UNIT_DAY, v % 100, 0) &&
                /* PostgreSQL 15 counts parts of a second as parts of a microsecond here */
                add_us(r, 0, time ? 1 : DAY_US, fraction);
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
    while (o == GOOD && *p++ == 'T') /* there may be several */
        o = iso_part(r, &p, true);
    return o;
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
    if (n < MAX_TEXT && !memchr(s, 0, n)) {
        o = read_pieces(s, n, &r);
        if (o == BAD_SYNTAX) {
            r = (struct reading){.fields = fields};
            o = read_iso(s, n, &r);
        }
    }
    if (o == GOOD && r.ago && !turn(&r))
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

/* The lowest time is printed as what nobody may write: its amount is one too many. */
#define LOWEST "-2562047788:00:54.775808"

static bool is_lowest(const struct value *v)
{
    enum { N = sizeof(LOWEST) - 1 };
    return v->s.n >= N && memcmp(v->s.p + v->s.n - N, LOWEST, N) == 0;
}

static struct error *lowest_of(const struct value *v, struct interval *ret)
{
    char text[128];
    size_t n = MIN(v->s.n, sizeof(text));
    memcpy(text, v->s.p, n);
    text[n - 1] = '7';
    TRY(interval_read(text, n, ret));
    ret->us--;
    return NULL;
}

struct error *interval_of(const struct value *v, struct interval *ret)
{
    if (is_lowest(v))
        return lowest_of(v, ret);
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
