/*
 * to_date(), to_timestamp(text, text) and datetime() of SQL/JSON paths: read a day or a moment by a
 * format, as to_char() (format_time.c) writes it.
 *
 * The format is gone through item by item; each takes what belongs to it from the text:
 *
 *     a pattern          a number, of as many digits as the pattern has letters when more digits
 *                        follow in the format, else of as many as there are; or a name
 *     a separator        one separator or blank, if there is one
 *     any other letter   one character, whichever it is
 *
 * Blanks before and behind a pattern's part are passed over. With FX nothing is: what is no
 * pattern takes exactly one character. What the parts say is put together at the end.
 *
 * SQL/JSON is strict: as with FX, and what is no pattern has to be the same in the text, which has
 * to be all there and no more. The format says which type comes out.
 */
#include "types/format.h"
#include "types/interval.h"
#include "types/zone.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

enum slot {
    NOTHING,
    HOUR,
    MINUTE,
    SECOND,
    DAY_SECONDS,
    MILLISECOND,
    MICROSECOND,
    MONTH,
    DAY,
    WEEKDAY, /* 1: Sunday */
    YEARDAY,
    WEEK,
    MONTH_WEEK,
    CENTURY,
    YEAR,
    JULIAN,
    AFTERNOON,
    BEFORE_CHRIST,
    ZONE_HOUR,
    ZONE_MINUTE,
    N_SLOTS
};

/* Behind those before NAME, TH is passed over. */
enum kind {
    NUMBER,
    FRACTION,
    PARTIAL_YEAR,
    COMMA_YEAR,
    ISO_WEEKDAY,
    NAME,
    ZONE,
    FIXED,
    UNREADABLE
};
enum convention { ANY, GREGORIAN, ISO };

struct field {
    const char *name; /* the pattern in capitals */
    enum kind kind;
    enum slot slot;
    int length; /* digits; 0: the pattern's letters */
    enum convention convention;
    const char *const
        *words; /* NAME: in rising order of values from `first` on, each `step` more */
    int first, step;
};

static const char *const months[] = {"January",  "February", "March",  "April",     "May",
                                     "June",     "July",     "August", "September", "October",
                                     "November", "December", NULL};
static const char *const short_months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
                                           "Aug", "Sep", "Oct", "Nov", "Dec", NULL};
/* the longer before what it begins with */
static const char *const roman_months[] = {"XII", "XI", "X",   "IX", "VIII", "VII", "VI",
                                           "V",   "IV", "III", "II", "I",    NULL};
static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday",  "Wednesday",
                                       "Thursday", "Friday", "Saturday", NULL};
static const char *const short_weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", NULL};
static const char *const halves[] = {"AM", "PM", NULL};
static const char *const dotted_halves[] = {"A.M.", "P.M.", NULL};
static const char *const eras[] = {"AD", "BC", NULL};
static const char *const dotted_eras[] = {"A.D.", "B.C.", NULL};

#define FIELD(name_, kind_, slot_, length_, convention_)                                           \
    {                                                                                              \
        .name = name_, .kind = kind_, .slot = slot_, .length = length_, .convention = convention_  \
    }
#define WORDS(name_, slot_, convention_, words_, first_, step_)                                    \
    {                                                                                              \
        .name = name_, .kind = NAME, .slot = slot_, .convention = convention_, .words = words_,    \
        .first = first_, .step = step_                                                             \
    }

static const struct field fields[] = {
    WORDS("A.D.", BEFORE_CHRIST, ANY, dotted_eras, 0, 1),
    WORDS("A.M.", AFTERNOON, ANY, dotted_halves, 0, 1),
    WORDS("AD", BEFORE_CHRIST, ANY, eras, 0, 1),
    WORDS("AM", AFTERNOON, ANY, halves, 0, 1),
    WORDS("B.C.", BEFORE_CHRIST, ANY, dotted_eras, 0, 1),
    WORDS("BC", BEFORE_CHRIST, ANY, eras, 0, 1),
    FIELD("CC", NUMBER, CENTURY, 0, ANY),
    WORDS("DAY", WEEKDAY, ANY, weekdays, 0, 0),
    FIELD("DDD", NUMBER, YEARDAY, 0, GREGORIAN),
    FIELD("DD", NUMBER, DAY, 0, GREGORIAN),
    WORDS("DY", WEEKDAY, ANY, short_weekdays, 0, 0),
    FIELD("D", NUMBER, WEEKDAY, 0, GREGORIAN),
    FIELD("FF1", FRACTION, MICROSECOND, 1, ANY),
    FIELD("FF2", FRACTION, MICROSECOND, 2, ANY),
    FIELD("FF3", FRACTION, MICROSECOND, 3, ANY),
    FIELD("FF4", FRACTION, MICROSECOND, 4, ANY),
    FIELD("FF5", FRACTION, MICROSECOND, 5, ANY),
    FIELD("FF6", FRACTION, MICROSECOND, 6, ANY),
    FIELD("FX", FIXED, NOTHING, 0, ANY),
    FIELD("HH24", NUMBER, HOUR, 2, ANY),
    FIELD("HH12", NUMBER, HOUR, 2, ANY),
    FIELD("HH", NUMBER, HOUR, 2, ANY),
    FIELD("IDDD", NUMBER, YEARDAY, 3, ISO),
    FIELD("ID", ISO_WEEKDAY, WEEKDAY, 1, ISO),
    FIELD("IW", NUMBER, WEEK, 0, ISO),
    FIELD("IYYY", NUMBER, YEAR, 0, ISO),
    FIELD("IYY", PARTIAL_YEAR, YEAR, 0, ISO),
    FIELD("IY", PARTIAL_YEAR, YEAR, 0, ISO),
    FIELD("I", PARTIAL_YEAR, YEAR, 0, ISO),
    FIELD("J", NUMBER, JULIAN, 0, ANY),
    FIELD("MI", NUMBER, MINUTE, 0, ANY),
    FIELD("MM", NUMBER, MONTH, 0, GREGORIAN),
    WORDS("MONTH", MONTH, GREGORIAN, months, 1, 1),
    WORDS("MON", MONTH, GREGORIAN, short_months, 1, 1),
    FIELD("MS", FRACTION, MILLISECOND, 3, ANY),
    FIELD("OF", UNREADABLE, NOTHING, 0, ANY),
    WORDS("P.M.", AFTERNOON, ANY, dotted_halves, 0, 1),
    WORDS("PM", AFTERNOON, ANY, halves, 0, 1),
    FIELD("Q", NUMBER, NOTHING, 0, ANY),
    WORDS("RM", MONTH, GREGORIAN, roman_months, 12, -1),
    FIELD("SSSSS", NUMBER, DAY_SECONDS, 0, ANY),
    FIELD("SSSS", NUMBER, DAY_SECONDS, 0, ANY),
    FIELD("SS", NUMBER, SECOND, 0, ANY),
    FIELD("TZH", ZONE, ZONE_HOUR, 2, ANY),
    FIELD("TZM", ZONE, ZONE_MINUTE, 2, ANY),
    FIELD("TZ", UNREADABLE, NOTHING, 0, ANY),
    FIELD("US", FRACTION, MICROSECOND, 6, ANY),
    FIELD("WW", NUMBER, WEEK, 0, GREGORIAN),
    FIELD("W", NUMBER, MONTH_WEEK, 0, GREGORIAN),
    FIELD("Y,YYY", COMMA_YEAR, YEAR, 4, GREGORIAN),
    FIELD("YYYY", NUMBER, YEAR, 0, GREGORIAN),
    FIELD("YYY", PARTIAL_YEAR, YEAR, 0, GREGORIAN),
    FIELD("YY", PARTIAL_YEAR, YEAR, 0, GREGORIAN),
    FIELD("Y", PARTIAL_YEAR, YEAR, 0, GREGORIAN),
};

struct scan {
    const char *start, *p, *end;
    const struct time_item *item, *last_item;
    int slots[N_SLOTS];
    enum convention convention;
    int year_digits;
    bool fixed, twelve_hours, strict;
    int zone_sign; /* 0: none was read */
    int precision; /* of FF1 .. FF6; -1: there is none */
    int skipped;   /* separators and blanks passed over beyond what the format has */
};

/* ---- the parts
 * ----------------------------------------------------------------------------------- */

static const struct field *field_of(const char *pattern)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strcasecmp(fields[i].name, pattern) == 0)
            return &fields[i];
    return NULL;
}

static bool is_blank(char c)
{
    return isspace((unsigned char)c) != 0;
}

static bool is_separator(char c)
{
    return ispunct((unsigned char)c) != 0;
}

static void skip_character(struct scan *s)
{
    uint32_t c;
    if (s->p < s->end)
        s->p += types__utf8_decode(s->p, (size_t)(s->end - s->p), &c);
}

static int skip_blanks(struct scan *s)
{
    const char *from = s->p;
    while (s->p < s->end && is_blank(*s->p))
        s->p++;
    return (int)MIN(s->p - from, INT_MAX);
}

static struct error *set(struct scan *s, enum slot slot, int64_t value)
{
    if (slot == NOTHING)
        return NULL;
    if (s->slots[slot] != 0 && s->slots[slot] != value)
        return error_detail(error_new(E_BAD_DATETIME,
                                      "conflicting values for \"%s\" field in formatting string",
                                      s->item->name),
                            "This value contradicts a previous setting for the same field type.");
    s->slots[slot] = (int)value;
    return NULL;
}

/* Does the number end where its digits do? Not when the format goes on with digits. */
static bool ends_by_itself(const struct scan *s)
{
    const struct time_item *next = s->item + 1;
    if (s->item->fill_mode || s->item->ordinal || next == s->last_item)
        return true;
    if (!next->name)
        return next->text[1] || !isdigit((unsigned char)next->text[0]);
    const struct field *f = field_of(next->name);
    return f->kind == NAME || f->kind == UNREADABLE || f->kind == FIXED || f->slot == ZONE_HOUR;
}

static struct error *bad_value(const struct scan *s, const char *p, size_t n)
{
    return error_new(E_BAD_DATETIME, "invalid value \"%.*s\" for \"%s\"", (int)MIN(n, 1000), p,
                     s->item->name);
}

static struct error *fixed_width(struct error *e)
{
    return error_hint(e,
                      "If your source string is not fixed-width, try using the \"FM\" modifier.");
}

/* A number with a sign and blanks before it, as strtol() takes it; false: too large. */
static bool take_number(struct scan *s, const char *end, int64_t *ret)
{
    const char *p = s->p;
    int64_t v = 0;
    bool fits = true;
    while (p < end && is_blank(*p))
        p++;
    bool minus = p < end && *p == '-';
    p += p < end && (*p == '-' || *p == '+');
    *ret = 0;
    if (p >= end || !isdigit((unsigned char)*p))
        return true;
    for (; p < end && isdigit((unsigned char)*p); p++) {
        v = v * 10 + (*p - '0');
        fits = fits && v <= (int64_t)INT_MAX + minus;
        v = fits ? v : 0;
    }
    s->p = p;
    *ret = minus ? -v : v;
    return fits;
}

/* *ret_length: the characters that it took, blanks too */
static struct error *read_number(struct scan *s, int length, int64_t *ret, int *ret_length)
{
    const char *from = s->p;
    skip_blanks(s);
    const char *word = s->p;
    size_t left = (size_t)(s->end - word), n = MIN(left, (size_t)length);
    bool fits;
    if (ends_by_itself(s)) {
        fits = take_number(s, s->end, ret);
        if (s->p == word)
            s->p = from;
    } else {
        if (left < (size_t)length)
            return fixed_width(error_detail(
                error_new(E_BAD_DATETIME, "source string too short for \"%s\" formatting field",
                          s->item->name),
                "Field requires %d characters, but only %d remain.", length, (int)left));
        fits = take_number(s, word + length, ret);
        int used = (int)(s->p - word);
        if (used > 0 && used < length)
            return fixed_width(error_detail(bad_value(s, word, n),
                                            "Field requires %d characters, but only %d could be "
                                            "parsed.",
                                            length, used));
    }
    if (s->p == from)
        return error_detail(bad_value(s, word, n), "Value must be an integer.");
    if (!fits)
        return error_detail(error_new(E_DATETIME_RANGE,
                                      "value for \"%s\" in source string is out of range",
                                      s->item->name),
                            "Value must be in the range %d to %d.", INT_MIN, INT_MAX);
    *ret_length = (int)(s->p - from);
    return NULL;
}

static struct error *read_name(struct scan *s, const struct field *f)
{
    size_t left = (size_t)(s->end - s->p), n = 0;
    for (int i = 0; f->words[i]; i++) {
        n = strlen(f->words[i]);
        if (n <= left && strncasecmp(s->p, f->words[i], n) == 0) {
            s->p += n;
            if (f->slot == AFTERNOON)
                s->twelve_hours = true;
            if (f->slot != WEEKDAY)
                return set(s, f->slot, f->first + i * f->step);
            TRY(set(s, WEEKDAY, i)); /* a day before is no contradiction, in PostgreSQL */
            s->slots[WEEKDAY] = i + 1;
            return NULL;
        }
    }
    for (n = 0; n < left && !is_blank(s->p[n]);)
        n++;
    return error_detail(bad_value(s, s->p, n),
                        "The given value did not match any of the allowed values for this field.");
}

/* Two digits of a year mean one near 2020. */
static int64_t full_year(int64_t year)
{
    return year < 70     ? year + 2000
           : year < 100  ? year + 1900
           : year < 520  ? year + 2000
           : year < 1000 ? year + 1000
                         : year;
}

static struct error *read_comma_year(struct scan *s)
{
    int64_t thousands, rest;
    const char *from = s->p;
    bool fits = take_number(s, s->end, &thousands);
    if (s->p > from && s->p < s->end && *s->p == ',') {
        const char *digits = ++s->p;
        fits &= take_number(s, MIN(digits + 3, s->end), &rest);
        if (s->p > digits && fits) {
            int64_t year = thousands * 1000 + rest;
            if (year < INT_MIN || year > INT_MAX)
                return error_new(E_DATETIME_RANGE,
                                 "value for \"%s\" in source string is out of "
                                 "range",
                                 s->item->name);
            s->year_digits = 4;
            return set(s, YEAR, year);
        }
    }
    return error_new(E_BAD_DATETIME, "invalid input string for \"Y,YYY\"");
}

/* The sign may have been taken for a separator. */
static void read_zone_sign(struct scan *s)
{
    char c = s->p < s->end ? *s->p : 0;
    if (c == '+' || c == '-' || c == ' ') {
        s->zone_sign = c == '-' ? -1 : 1;
        s->p++;
    } else {
        s->zone_sign = s->skipped > 0 && s->p[-1] == '-' ? -1 : 1;
    }
}

static struct error *read_field(struct scan *s, const struct field *f)
{
    int length = f->length ? f->length : (int)strlen(f->name), used;
    int64_t v;
    switch (f->kind) {
    case FIXED:
        s->fixed = true;
        return NULL;
    case UNREADABLE:
        return error_new(E_UNSUPPORTED, "formatting field \"%s\" is only supported in to_char",
                         s->item->name);
    case NAME:
        return read_name(s, f);
    case COMMA_YEAR:
        return read_comma_year(s);
    case ZONE:
        if (f->slot == ZONE_HOUR)
            read_zone_sign(s);
        else if (!s->zone_sign)
            s->zone_sign = 1;
        break;
    default:
        break;
    }
    TRY(read_number(s, length, &v, &used));
    TRY(set(s, f->slot, v));
    switch (f->kind) {
    case FRACTION: /* .5 and .50 are .500 */
        if (strncasecmp(f->name, "FF", 2) == 0)
            s->precision = length;
        for (int full = f->slot == MILLISECOND ? 3 : 6; used < full; used++)
            v *= 10;
        s->slots[f->slot] = (int)v;
        break;
    case PARTIAL_YEAR:
        s->slots[YEAR] = (int)(used < 4 ? full_year(v) : v);
        break;
    case ISO_WEEKDAY:
        s->slots[WEEKDAY] = (int)(v >= 7 ? 1 : v + 1);
        break;
    default:
        break;
    }
    if (f->slot == YEAR)
        s->year_digits = (int)strlen(f->name);
    if (f->slot == HOUR && length == 2 && strcasecmp(f->name, "HH24") != 0)
        s->twelve_hours = true;
    return NULL;
}

static struct error *read_pattern(struct scan *s)
{
    const struct field *f = field_of(s->item->name);
    if (f->convention != ANY) {
        if (s->convention != ANY && s->convention != f->convention)
            return error_hint(
                error_new(E_BAD_DATETIME, "invalid combination of date conventions"),
                "Do not mix Gregorian and ISO week date conventions in a formatting template.");
        s->convention = f->convention;
    }
    TRY(read_field(s, f));
    if (s->item->ordinal && f->kind < NAME)
        for (int i = 0; i < 2; i++)
            skip_character(s);
    if (!s->fixed)
        s->skipped = skip_blanks(s);
    return NULL;
}

/* The same, of a strict format */
static struct error *read_same(struct scan *s)
{
    uint32_t c;
    const char *wanted = s->item->text;
    size_t n = types__utf8_decode(s->p, (size_t)(s->end - s->p), &c);
    if (n != strlen(wanted) || memcmp(s->p, wanted, n) != 0)
        return error_new(E_BAD_DATETIME, "unmatched format %s \"%s\"",
                         s->item->quoted ? "character" : "separator", wanted);
    s->p += n;
    return NULL;
}

/* One character of the format that stands for itself */
static void read_character(struct scan *s, char c, bool quoted)
{
    if (s->fixed) {
        skip_character(s);
    } else if (!quoted && (is_blank(c) || is_separator(c))) {
        s->skipped--;
        if (is_blank(*s->p) || is_separator(*s->p)) {
            s->p++;
            s->skipped++;
        }
    } else if (s->skipped > 0) { /* what was skipped may have been it */
        s->skipped--;
    } else {
        skip_character(s);
    }
}

static struct error *ends(struct scan *s)
{
    if (s->item < s->last_item)
        return error_new(E_BAD_DATETIME, "input string is too short for datetime format");
    skip_blanks(s);
    if (s->p < s->end)
        return error_new(E_BAD_DATETIME,
                         "trailing characters remain in input string after datetime format");
    return NULL;
}

static struct error *scan(struct scan *s, const struct value *text, const struct time_item *items,
                          size_t n)
{
    s->start = s->p = text->s.p;
    s->end = s->p + text->s.n;
    s->last_item = items + n;
    s->fixed = s->strict;
    for (s->item = items; s->item < s->last_item && s->p < s->end; s->item++) {
        bool fx = s->item->name && strcasecmp(s->item->name, "FX") == 0;
        if (!s->fixed && !fx && (s->item->name || s->item == items))
            s->skipped += skip_blanks(s);
        if (s->item->name) {
            TRY(read_pattern(s));
            continue;
        }
        if (s->strict)
            TRY(read_same(s));
        else if (s->p < s->end)
            read_character(s, s->item->text[0], s->item->quoted);
    }
    return s->strict ? ends(s) : NULL;
}

/* ---- what the parts say together
 * ------------------------------------------------------------------ */

static int64_t iso_week_start(int64_t year, int64_t week)
{
    int64_t fourth = types__days_of(year, 1, 4);
    int64_t weekday = ((fourth + 5) % 7 + 7) % 7; /* 2000-01-01 is a Saturday; 0: Monday */
    return fourth - weekday + (week - 1) * 7;
}

struct day {
    int64_t year;
    int month, day;
    bool has_year, has_month, has_day;
};

static void set_day(struct day *d, int64_t days)
{
    types__civil_of(days, &d->year, &d->month, &d->day);
    d->has_year = d->has_month = d->has_day = true;
}

static void set_year(const struct scan *s, struct day *d)
{
    int64_t year = s->slots[YEAR], century = s->slots[CENTURY];
    bool bc = s->slots[BEFORE_CHRIST];
    d->has_year = year || century;
    century = bc ? -century : century;
    if (year && century && s->year_digits <= 2) {
        d->year = year % 100;
        if (d->year)
            d->year =
                century >= 0 ? d->year + (century - 1) * 100 : (century + 1) * 100 - d->year + 1;
        else
            d->year = century * 100 + (century < 0);
    } else if (year) {
        d->year = bc ? -year : year;
        d->year += d->year < 0;
    } else if (century) {
        d->year = century >= 0 ? (century - 1) * 100 + 1 : century * 100 + 1;
    }
}

static struct error *set_yearday(const struct scan *s, struct day *d, int yearday)
{
    if (!d->year && !s->slots[BEFORE_CHRIST])
        return error_new(E_BAD_DATETIME, "cannot calculate day of year without year information");
    if (s->convention == ISO) {
        set_day(d, iso_week_start(d->year, 1) - 1 + yearday);
        return NULL;
    }
    int month = 1, rest = yearday;
    for (; month <= MONTHS_IN_YEAR && rest > types__month_length(d->year, month); month++)
        rest -= types__month_length(d->year, month);
    if (d->month <= 1)
        d->month = month;
    if (d->day <= 1)
        d->day = rest;
    d->has_month = d->has_day = true;
    return NULL;
}

static struct error *out_of_range(const struct scan *s)
{
    return error_new(E_DATETIME_RANGE, "date/time field value out of range: \"%.*s\"",
                     (int)MIN(s->end - s->start, 1000), s->start);
}

static struct error *day_of(const struct scan *s, int64_t *ret_days)
{
    struct day d = {.month = 1, .day = 1};
    const int *slots = s->slots;
    int yearday = slots[YEARDAY], day = slots[DAY];
    set_year(s, &d);
    if (slots[JULIAN])
        set_day(&d, (int64_t)slots[JULIAN] - 2451545);
    if (slots[WEEK] && s->convention == ISO) {
        int weekday = slots[WEEKDAY] ? (slots[WEEKDAY] + 5) % 7 : 0;
        set_day(&d, iso_week_start(d.year, slots[WEEK]) + weekday);
    } else if (slots[WEEK]) {
        yearday = (int)MIN(MAX(((int64_t)slots[WEEK] - 1) * 7 + 1, INT_MIN), INT_MAX);
    }
    if (slots[MONTH_WEEK])
        day = (int)MIN(MAX(((int64_t)slots[MONTH_WEEK] - 1) * 7 + 1, INT_MIN), INT_MAX);
    if (day) {
        d.day = day;
        d.has_day = true;
    }
    if (slots[MONTH]) {
        d.month = slots[MONTH];
        d.has_month = true;
    }
    if (yearday && (d.month <= 1 || d.day <= 1))
        TRY(set_yearday(s, &d, yearday));
    if ((d.has_month && (d.month < 1 || d.month > MONTHS_IN_YEAR)) ||
        (d.has_day && (d.day < 1 || d.day > 31)) ||
        (d.has_year && d.has_month && d.has_day && d.day > types__month_length(d.year, d.month)))
        return out_of_range(s);
    *ret_days = types__days_of(d.year, d.month, d.day);
    return NULL;
}

struct clock {
    int64_t hour, minute, second, fraction;
};

static struct error *clock_of(const struct scan *s, struct clock *ret)
{
    const int *slots = s->slots;
    struct clock c = {.hour = slots[DAY_SECONDS] / 3600,
                      .minute = slots[DAY_SECONDS] % 3600 / 60,
                      .second = slots[DAY_SECONDS] % 60,
                      .fraction = slots[MILLISECOND] * INT64_C(1000) + slots[MICROSECOND]};
    c.second = slots[SECOND] ? slots[SECOND] : c.second;
    c.minute = slots[MINUTE] ? slots[MINUTE] : c.minute;
    c.hour = slots[HOUR] ? slots[HOUR] : c.hour;
    if (s->twelve_hours) {
        if (c.hour < 1 || c.hour > 12)
            return error_hint(error_new(E_BAD_DATETIME,
                                        "hour \"%lld\" is invalid for the 12-hour clock",
                                        (long long)c.hour),
                              "Use the 24-hour clock, or give an hour between 1 and 12.");
        c.hour = c.hour % 12 + (slots[AFTERNOON] ? 12 : 0);
    }
    *ret = c;
    return NULL;
}

static struct error *time_of(const struct scan *s, const struct clock *c, int64_t *ret_us)
{
    if (c->hour < 0 || c->hour > 23 || c->minute < 0 || c->minute > 59 || c->second < 0 ||
        c->second > 59 || c->fraction < 0 || c->fraction >= SECOND_US)
        return out_of_range(s);
    *ret_us = (c->hour * 3600 + c->minute * 60 + c->second) * SECOND_US + c->fraction;
    return NULL;
}

static struct error *zone_of(const struct scan *s, int64_t *ret_us)
{
    int hours = s->slots[ZONE_HOUR], minutes = s->slots[ZONE_MINUTE];
    if (s->zone_sign && (hours < 0 || hours > 15 || minutes < 0 || minutes > 59))
        return error_new("22009", "time zone displacement out of range: \"%.*s\"",
                         (int)MIN(s->end - s->start, 1000), s->start);
    *ret_us = s->zone_sign * (hours * 3600 + minutes * 60) * SECOND_US;
    return NULL;
}

struct parts {
    int64_t days, us, zone; /* zone: microseconds */
};

static struct error *parts_of(struct scan *s, const struct value *text,
                              const struct time_item *items, size_t n, struct parts *ret)
{
    struct clock c = {0};
    TRY(scan(s, text, items, n));
    TRY(clock_of(s, &c));
    TRY(day_of(s, &ret->days));
    TRY(time_of(s, &c, &ret->us));
    return zone_of(s, &ret->zone);
}

static struct error *date_of(const struct scan *s, const struct parts *p, int64_t *ret)
{
    if (!types__date_valid(p->days) || p->days == DATE_NEVER || p->days == DATE_EVER)
        return error_new(E_DATETIME_RANGE, "date out of range: \"%.*s\"",
                         (int)MIN(s->end - s->start, 1000), s->start);
    *ret = p->days;
    return NULL;
}

/* `zoned`: at the session's zone, where the text tells of none; else it is left out. */
static struct error *timestamp_of(const struct scan *s, const struct parts *p, bool zoned,
                                  const char *type, int64_t *ret)
{
    bool fits = p->days >= -2451546 && p->days <= 106751983;
    int64_t at = fits ? p->days * DAY_US + p->us : 0;
    if (fits && zoned)
        at = s->zone_sign ? at - p->zone : types__utc_of(types__zone(), at);
    if (!fits || !types__timestamp_valid(at) || at == TIMESTAMP_NEVER || at == TIMESTAMP_EVER)
        return error_new(E_DATETIME_RANGE, "%s out of range", type);
    return types__timestamp_fit(at, s->precision, ret);
}

static CALL(to_date)
{
    struct scan s = {.precision = -1};
    struct time_item *items;
    struct parts parts = {0};
    size_t n_items;
    TRY(types__time_items(&v[1], a, &items, &n_items));
    TRY(parts_of(&s, &v[0], items, n_items, &parts));
    *ret = value_int(0);
    return date_of(&s, &parts, &ret->i);
}

static CALL(to_timestamp)
{
    struct scan s = {.precision = -1};
    struct time_item *items;
    struct parts parts = {0};
    size_t n_items;
    TRY(types__time_items(&v[1], a, &items, &n_items));
    TRY(parts_of(&s, &v[0], items, n_items, &parts));
    *ret = value_int(0);
    return timestamp_of(&s, &parts, true, "timestamp", &ret->i);
}

/* ---- datetime() of SQL/JSON paths ------------------------------------------------------------ */

enum { DATED = 1, TIMED = 2, ZONED = 4 };

static int about(const struct time_item *item)
{
    const struct field *f = item->name ? field_of(item->name) : NULL;
    if (!f || f->kind == FIXED || strcasecmp(f->name, "IW") == 0) /* so PostgreSQL */
        return 0;
    switch (f->slot) {
    case HOUR:
    case MINUTE:
    case SECOND:
    case DAY_SECONDS:
    case MILLISECOND:
    case MICROSECOND:
    case AFTERNOON:
        return TIMED;
    case ZONE_HOUR:
    case ZONE_MINUTE:
        return ZONED;
    default:
        return DATED;
    }
}

struct error *types__time_separators(const struct time_item *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!items[i].name && !items[i].quoted && !strchr("-./,':; ", items[i].text[0]))
            return error_new(E_BAD_DATETIME, "invalid datetime format separator: \"%s\"",
                             items[i].text[0] == '"' ? "\\" : items[i].text);
    return NULL;
}

struct error *types__moment_read(const struct value *text, const struct time_item *items, size_t n,
                                 struct moment_read *ret)
{
    struct scan s = {.precision = -1, .strict = true};
    struct parts parts = {0};
    int kind = 0;
    TRY(parts_of(&s, text, items, n, &parts));
    for (size_t i = 0; i < n; i++)
        kind |= about(&items[i]);
    ret->east = (int32_t)(parts.zone / SECOND_US);
    switch (kind) {
    case DATED:
        ret->type = OID_DATE;
        return date_of(&s, &parts, &ret->value);
    case DATED | TIMED:
        ret->type = OID_TIMESTAMP;
        return timestamp_of(&s, &parts, false, "timestamp", &ret->value);
    case DATED | TIMED | ZONED:
        ret->type = OID_TIMESTAMPTZ;
        return timestamp_of(&s, &parts, true, "timestamptz", &ret->value);
    case TIMED:
        ret->type = OID_TIME;
        return types__timestamp_fit(parts.us, s.precision, &ret->value);
    case TIMED | ZONED:
        ret->type = OID_TIMETZ;
        return types__timetz_fit(types__timetz_pack(parts.us, ret->east), s.precision, &ret->value);
    default:
        return error_new(E_BAD_DATETIME, kind & DATED
                                             ? "datetime format is zoned but not timed"
                                             : "datetime format is not dated and not timed");
    }
}

static const struct func rows[] = {
    SCALAR2("to_date", OID_TEXT, OID_TEXT, OID_DATE, "to_date", to_date),
    SCALAR2("to_timestamp", OID_TEXT, OID_TEXT, OID_TIMESTAMPTZ, "to_timestamp_text", to_timestamp),
};

const struct func_rows types__scan_time_funcs = {rows, ARRAY_LEN(rows)};
