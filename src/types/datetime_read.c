/*
 * Dates and times as people write them.
 *
 * A text is cut into pieces (datetime_cut.c). Then piece by piece fills fields, and what a number
 * means hangs on the fields that are there already: of a date, the first number is a year when it
 * has three digits, else what DateStyle says; a number behind a whole date is a time without
 * colons. No field may be told twice.
 */
#include "types/datetime_cut.h"
#include "types/interval.h"
#include "types/zone.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

enum has {
    HAS_YEAR = 1,
    HAS_MONTH = 2,
    HAS_DAY = 4,
    HAS_DATE = HAS_YEAR | HAS_MONTH | HAS_DAY,
    HAS_HOUR = 8,
    HAS_MINUTE = 16,
    HAS_SECOND = 32,
    HAS_FRACTION = 64,
    HAS_TIME = HAS_HOUR | HAS_MINUTE | HAS_SECOND | HAS_FRACTION,
    HAS_ZONE = 128,
    HAS_HALF = 256,
    HAS_ERA = 512,
    HAS_WEEKDAY = 1024,
    HAS_SUMMER = 2048, /* DST behind a zone */
    HAS_YEARDAY = 4096,
    HAS_VALUE = 8192, /* epoch, infinity: of the rest nothing counts */
};

enum outcome { GOOD, BAD_SYNTAX, BAD_FIELD, BAD_DATE_ORDER, BAD_OFFSET, BAD_ZONE };

/* What a text says, field by field. */
struct moment {
    unsigned has;
    int64_t year, month, day, yearday;
    int64_t hour, minute, second, fraction; /* fraction: microseconds, up to a whole second */
    int64_t offset;                         /* seconds east of Greenwich */
    const struct zone *zone;                /* instead, if named */
    const char *bad_zone;
    enum half half;
    bool bc, short_year, text_month, julian;
    bool is_value; /* a word that has its value in `us` already: in UTC */
    bool clock;    /* the clock was asked */
    int64_t us;
    enum label label;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return isalpha((unsigned char)c) != 0;
}

/* ---- numbers
 * ------------------------------------------------------------------------------------- */

/* Digits, perhaps none; more than an int holds is BAD_FIELD. */
static enum outcome digits(const char **p, int64_t *ret)
{
    int64_t v = 0;
    bool minus = **p == '-';
    *p += minus || **p == '+';
    for (; is_digit(**p); (*p)++)
        v = MIN(v * 10 + (**p - '0'), (int64_t)INT32_MAX + 1);
    *ret = minus ? -v : v;
    return v > INT32_MAX ? BAD_FIELD : GOOD;
}

/* From the point to the end of the piece, rounded as PostgreSQL does: a double times a million. */
static enum outcome fraction(const char *p, int64_t *ret)
{
    char *end;
    double f = p[1] ? strtod(p, &end) : 0;
    if (p[1] && *end)
        return BAD_SYNTAX;
    *ret = (int64_t)rint(f * SECOND_US);
    return GOOD;
}

static int64_t number_of(const char *p, int n)
{
    int64_t v = 0;
    for (int i = 0; i < n; i++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, p[i] - '0', &v))
            return -1;
    return (int32_t)v; /* what atoi() makes of it */
}

/* 20240105, 100000.5, 1000: a date or a time without anything between its fields */
static enum outcome run_together(struct moment *m, const char *text, unsigned has,
                                 unsigned *ret_has)
{
    int n = (int)strspn(text, "0123456789");
    if (text[n] == '.') {
        if (fraction(text + n, &m->fraction) != GOOD)
            return BAD_SYNTAX;
    } else if ((has & HAS_DATE) != HAS_DATE && n >= 6) {
        m->day = number_of(text + n - 2, 2);
        m->month = number_of(text + n - 4, 2);
        m->year = number_of(text, n - 4);
        m->short_year |= n == 6;
        *ret_has = HAS_DATE;
        return GOOD;
    }
    if ((has & HAS_TIME) == HAS_TIME || (n != 4 && n != 6))
        return BAD_SYNTAX;
    m->hour = number_of(text, 2);
    m->minute = number_of(text + 2, 2);
    m->second = n == 6 ? number_of(text + 4, 2) : 0;
    *ret_has = HAS_TIME;
    return GOOD;
}

static void set_day(struct moment *m, int64_t days)
{
    int month, day;
    types__civil_of(days, &m->year, &month, &day);
    m->month = month;
    m->day = day;
}

/* Which field is the next number of a date? */
static unsigned date_field(const struct moment *m, unsigned has, bool text_month, int n)
{
    enum date_order order = types__style()->order;
    bool year_first = n >= 3 || order == ORDER_YMD;
    switch (has & HAS_DATE) {
    case 0:
        return year_first ? HAS_YEAR : order == ORDER_DMY ? HAS_DAY : HAS_MONTH;
    case HAS_YEAR:
    case HAS_DAY:
        return HAS_MONTH;
    case HAS_MONTH:
        return text_month && year_first ? HAS_YEAR : HAS_DAY;
    case HAS_YEAR | HAS_MONTH:
        return HAS_DAY;
    case HAS_MONTH | HAS_DAY:
        return HAS_YEAR;
    default:
        return 0;
    }
}

/* A number by itself: a field of a date, or a time that is run together. */
static enum outcome read_number(struct moment *m, const char *text, unsigned has, bool text_month,
                                unsigned *ret_has)
{
    const char *p = text;
    int64_t v;
    int n = (int)strlen(text);
    enum outcome o = digits(&p, &v);
    if (o != GOOD || p == text)
        return o != GOOD ? o : BAD_SYNTAX;
    if (*p == '.') {
        if (p - text > 2)
            return run_together(m, text, has | HAS_DATE, ret_has);
        if (fraction(p, &m->fraction) != GOOD)
            return BAD_SYNTAX;
    } else if (*p) {
        return BAD_SYNTAX;
    }
    if (n == 3 && (has & HAS_DATE) == HAS_YEAR && v >= 1 && v <= 366) {
        m->yearday = v;
        *ret_has = HAS_YEARDAY | HAS_MONTH | HAS_DAY;
        return GOOD;
    }
    if ((has & HAS_DATE) == HAS_DATE)
        return run_together(m, text, has, ret_has);
    unsigned field = date_field(m, has, text_month, n);
    if (field == HAS_DAY && text_month && (has & HAS_YEAR) && n >= 3 && m->short_year) {
        m->day = m->year; /* 5-Jan-2024 under YMD: the year comes behind */
        m->year = v;
        m->short_year = false;
        *ret_has = HAS_DAY;
        return GOOD;
    }
    *(field == HAS_YEAR ? &m->year : field == HAS_MONTH ? &m->month : &m->day) = v;
    if (field == HAS_YEAR)
        m->short_year = n <= 2;
    *ret_has = field;
    return field ? GOOD : BAD_SYNTAX;
}

/* 2024-01-05, 5-jan-2024: fields with something between them. A month's name counts first, wherever
 * it stands. */
static enum outcome read_date(struct moment *m, char *text, unsigned has, unsigned *ret_has)
{
    char *fields[MAX_PIECES];
    int n = 0;
    bool text_month = false;
    unsigned before = has;
    for (char *p = text; *p && n < MAX_PIECES;) {
        while (*p && !isalnum((unsigned char)*p))
            p++;
        if (!*p)
            return BAD_SYNTAX;
        fields[n++] = p;
        bool digit = is_digit(*p);
        while (digit ? is_digit(*p) : is_letter(*p))
            p++;
        if (*p)
            *p++ = 0;
    }
    for (int i = 0; i < n; i++) {
        if (!is_letter(*fields[i]))
            continue;
        const struct word *w = types__date_word(fields[i]);
        if (w && w->kind == WORD_FILLER)
            continue;
        if (!w || w->kind != WORD_MONTH || (has & HAS_MONTH))
            return BAD_SYNTAX;
        m->month = w->value;
        has |= HAS_MONTH;
        text_month = true;
        fields[i] = NULL;
    }
    for (int i = 0; i < n; i++) {
        unsigned field;
        if (!fields[i])
            continue;
        enum outcome o = read_number(m, fields[i], has, text_month, &field);
        if (o != GOOD || (has & field))
            return o != GOOD ? o : BAD_SYNTAX;
        has |= field;
    }
    *ret_has = has & ~before;
    return (has & HAS_DATE) == HAS_DATE && !(has & ~(unsigned)(HAS_DATE | HAS_YEARDAY | HAS_ZONE))
               ? GOOD
               : BAD_SYNTAX;
}

static enum outcome read_clock(struct moment *m, const char *text)
{
    const char *p = text;
    char *hour_end;
    errno = 0;
    m->hour =
        strtoll(p, &hour_end, 10); /* more than an int is wrong, but what is behind it first */
    if (errno)
        return BAD_FIELD;
    p = hour_end;
    if (*p++ != ':')
        return BAD_SYNTAX;
    enum outcome o = digits(&p, &m->minute);
    if (o != GOOD)
        return o;
    m->second = m->fraction = 0;
    if (*p == ':') {
        p++;
        o = digits(&p, &m->second);
        if (o != GOOD)
            return o;
        if (*p && (*p != '.' || fraction(p, &m->fraction) != GOOD))
            return BAD_SYNTAX;
    } else if (*p == '.') { /* PostgreSQL takes 10:00.5 for minutes and seconds */
        if (fraction(p, &m->fraction) != GOOD)
            return BAD_SYNTAX;
        m->second = m->minute;
        m->minute = m->hour;
        m->hour = 0;
    } else if (*p) {
        return BAD_SYNTAX;
    }
    return m->hour > INT32_MAX || m->minute > 59 || m->second > 60 ? BAD_FIELD : GOOD;
}

static enum outcome read_offset(struct moment *m, const char *text)
{
    const char *p = text + 1;
    int64_t hours, minutes = 0, seconds = 0;
    enum outcome o = *text == '+' || *text == '-' ? digits(&p, &hours) : BAD_SYNTAX;
    if (o != GOOD)
        return o == BAD_FIELD ? BAD_OFFSET : o;
    if (*p == ':') {
        p++;
        o = digits(&p, &minutes);
        if (o == GOOD && *p == ':') {
            p++;
            o = digits(&p, &seconds);
        }
        if (o != GOOD)
            return BAD_OFFSET;
    } else if (!*p && strlen(text) > 3) {
        minutes = hours % 100;
        hours /= 100;
    }
    if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59)
        return BAD_OFFSET;
    m->offset = hours * 3600 + minutes * 60 + seconds;
    if (*text == '-')
        m->offset = -m->offset;
    return *p ? BAD_SYNTAX : GOOD;
}

bool types__offset_parse(const char *text, bool *ret_fits, int32_t *ret_seconds)
{
    struct moment m = {0};
    enum outcome o = read_offset(&m, text);
    *ret_fits = o != BAD_OFFSET;
    *ret_seconds = (int32_t)m.offset;
    return o != BAD_SYNTAX;
}

/* ---- words
 * --------------------------------------------------------------------------------------- */

static unsigned read_value(struct moment *m, const struct word *w)
{
    m->is_value = true;
    m->us = w->kind == WORD_NOW       ? types__text_now()
            : w->value == VALUE_LATE  ? TIMESTAMP_EVER
            : w->value == VALUE_EARLY ? TIMESTAMP_NEVER
                                      : -INT64_C(10957) * DAY_US;
    m->clock = w->kind == WORD_NOW;
    if (m->clock)
        set_day(m, types__timestamp_days(m->us));
    return w->kind == WORD_NOW ? HAS_DATE | HAS_TIME | HAS_ZONE : HAS_VALUE;
}

/* Where a name of a month comes behind a number that was taken for the month, that is the day. */
static unsigned read_month(struct moment *m, int month)
{
    unsigned field = HAS_MONTH;
    if ((m->has & HAS_MONTH) && !m->text_month && !(m->has & HAS_DAY) && m->month >= 1 &&
        m->month <= 31) {
        m->day = m->month;
        field = HAS_DAY;
    }
    m->text_month = true;
    m->month = month;
    return field;
}

static enum outcome read_label(struct moment *m, const struct word *w, const struct piece *next,
                               bool time_only)
{
    if (w->value == LABEL_TIME) {
        if (!time_only && (m->has & HAS_DATE) != HAS_DATE)
            return BAD_SYNTAX;
        if (!next ||
            (next->kind != PIECE_NUMBER && next->kind != PIECE_CLOCK && next->kind != PIECE_DATE))
            return BAD_SYNTAX;
    }
    m->label = (enum label)w->value;
    return GOOD;
}

static enum outcome read_word(struct moment *m, const char *text, const struct piece *next,
                              bool time_only, unsigned *ret_has)
{
    int32_t seconds;
    *ret_has = 0;
    if (types__zone_word(text, strlen(text), &seconds, &m->zone)) {
        m->offset = seconds;
        *ret_has = HAS_ZONE;
        return GOOD;
    }
    const struct word *w = types__date_word(text);
    if (!w) {
        m->zone = zone_find(text, strlen(text));
        *ret_has = HAS_ZONE;
        return m->zone || strcasecmp(text, "utc") == 0 ? GOOD : BAD_SYNTAX;
    }
    switch (w->kind) {
    case WORD_MONTH:
        *ret_has = read_month(m, w->value);
        break;
    case WORD_WEEKDAY:
        *ret_has = HAS_WEEKDAY;
        break;
    case WORD_HALF:
        m->half = (enum half)w->value;
        *ret_has = HAS_HALF;
        break;
    case WORD_ERA:
        m->bc = w->value;
        *ret_has = HAS_ERA;
        break;
    case WORD_DAY:
        set_day(m, types__timestamp_days(types__local_of(types__zone(), types__text_now())) +
                       w->value);
        m->clock = true;
        m->is_value = false;
        *ret_has = HAS_DATE;
        break;
    case WORD_NOW:
    case WORD_VALUE:
        *ret_has = read_value(m, w);
        break;
    case WORD_MIDNIGHT:
        m->hour = m->minute = m->second = m->offset = 0;
        *ret_has = HAS_TIME | HAS_ZONE;
        break;
    case WORD_SUMMER:
        m->offset += 3600;
        *ret_has = HAS_SUMMER;
        break;
    case WORD_LABEL:
        return read_label(m, w, next, time_only);
    case WORD_FILLER:
        break;
    }
    return GOOD;
}

/* ---- piece by piece
 * ------------------------------------------------------------------------------- */

/* J2460000.5 */
static enum outcome read_julian(struct moment *m, const char *text, unsigned *ret_has)
{
    const char *p = text;
    int64_t days;
    enum outcome o = digits(&p, &days);
    if (o != GOOD || days < 0)
        return BAD_FIELD;
    set_day(m, days - 2451545);
    m->julian = true;
    m->is_value = false; /* it comes after epoch or infinity, and counts */
    *ret_has = HAS_DATE;
    if (*p == '.') {
        char *end;
        double part = p[1] ? strtod(p, &end) : 0;
        if (p[1] && *end)
            return BAD_SYNTAX;
        int64_t us = (int64_t)(part * (double)DAY_US);
        m->hour = us / (3600 * SECOND_US);
        m->minute = us / (60 * SECOND_US) % 60;
        m->second = us / SECOND_US % 60;
        m->fraction = us % SECOND_US;
        *ret_has |= HAS_TIME;
        return GOOD;
    }
    return *p ? BAD_SYNTAX : GOOD;
}

/* 100000-05, a time and an offset in one piece */
static enum outcome read_time_and_offset(struct moment *m, char *text, unsigned has,
                                         unsigned *ret_has)
{
    char *offset = strchr(text, '-');
    if ((m->has & HAS_TIME) == HAS_TIME || !offset)
        return BAD_SYNTAX;
    enum outcome o = read_offset(m, offset);
    if (o != GOOD)
        return o;
    *offset = 0;
    o = run_together(m, text, has, ret_has);
    *ret_has |= HAS_ZONE;
    return o;
}

static enum outcome read_zone_name(struct moment *m, const char *text, unsigned *ret_has)
{
    *ret_has = HAS_ZONE;
    m->zone = zone_find(text, strlen(text));
    if (m->zone)
        return GOOD;
    m->bad_zone = text;
    return BAD_ZONE;
}

/* A piece that looks like a date, but there may be one already. */
static enum outcome read_date_piece(struct moment *m, struct piece *p, unsigned *ret_has)
{
    if (m->label == LABEL_JULIAN) {
        char *offset = p->text + strspn(p->text, "0123456789");
        char sign = *offset;
        *offset = 0;
        enum outcome o = read_julian(m, p->text, ret_has);
        *offset = sign;
        m->label = LABEL_NONE;
        if (o == GOOD)
            o = read_offset(m, offset);
        *ret_has = HAS_DATE | HAS_TIME | HAS_ZONE;
        return o;
    }
    if (m->label || (m->has & (HAS_MONTH | HAS_DAY)) == (HAS_MONTH | HAS_DAY)) {
        if (!is_digit(*p->text) && !m->label)
            return read_zone_name(m, p->text, ret_has);
        if (m->label && m->label != LABEL_TIME)
            return BAD_SYNTAX;
        m->label = LABEL_NONE;
        return read_time_and_offset(m, p->text, m->has, ret_has);
    }
    return read_date(m, p->text, m->has, ret_has);
}

/* y2024, s6.5: the number behind a label */
static enum outcome read_labelled(struct moment *m, enum label label, const char *text,
                                  unsigned *ret_has)
{
    const struct {
        int64_t *to;
        unsigned has;
    } fields[] = {
        [LABEL_YEAR] = {&m->year, HAS_YEAR},       [LABEL_MONTH] = {&m->month, HAS_MONTH},
        [LABEL_DAY] = {&m->day, HAS_DAY},          [LABEL_HOUR] = {&m->hour, HAS_HOUR},
        [LABEL_MINUTE] = {&m->minute, HAS_MINUTE}, [LABEL_SECOND] = {&m->second, HAS_SECOND}};
    const char *p = text;
    int64_t v;
    if (digits(&p, &v) != GOOD)
        return BAD_FIELD;
    if (label == LABEL_OTHER || (*p && (label != LABEL_SECOND || *p != '.')))
        return BAD_SYNTAX;
    if (label == LABEL_MONTH && (m->has & HAS_MONTH) && (m->has & HAS_HOUR))
        label = LABEL_MINUTE;
    *fields[label].to = v;
    *ret_has = fields[label].has | (*p ? HAS_FRACTION : 0);
    return *p ? fraction(p, &m->fraction) : GOOD;
}

static enum outcome read_number_piece(struct moment *m, struct piece *p, unsigned *ret_has)
{
    enum label label = m->label;
    m->label = LABEL_NONE;
    if (label == LABEL_JULIAN)
        return read_julian(m, p->text, ret_has);
    if (label == LABEL_TIME) {
        const char *digit = p->text;
        int64_t v; /* it has to be an int, too */
        enum outcome o = digits(&digit, &v);
        if (o != GOOD)
            return o;
        o = run_together(m, p->text, m->has | HAS_DATE, ret_has);
        return o == GOOD && *ret_has != HAS_TIME ? BAD_SYNTAX : o;
    }
    if (label)
        return read_labelled(m, label, p->text, ret_has);
    const char *point = strchr(p->text, '.');
    size_t n = strlen(p->text);
    if (point && !(m->has & HAS_DATE))
        return read_date(m, p->text, m->has, ret_has);
    if ((point && point - p->text > 2) ||
        (n >= 6 && (!(m->has & HAS_DATE) || !(m->has & HAS_TIME))))
        return run_together(m, p->text, m->has, ret_has);
    return read_number(m, p->text, m->has, m->text_month, ret_has);
}

static bool too_late(const struct moment *m)
{
    int64_t seconds = (m->hour * 60 + m->minute) * 60 + m->second;
    return m->minute > 59 || m->second > 60 || seconds * SECOND_US + m->fraction > DAY_US;
}

static enum outcome read_clock_piece(struct moment *m, struct piece *p, unsigned *ret_has)
{
    if (m->label && m->label != LABEL_TIME)
        return BAD_SYNTAX;
    m->label = LABEL_NONE;
    *ret_has = HAS_TIME;
    return read_clock(m, p->text);
}

/* Checks what the fields say, and turns them into a day of the calendar and a time of 24 hours. */
static enum outcome check(struct moment *m)
{
    if ((m->has & HAS_YEAR) && !m->julian) {
        if (m->year <= 0 && !(m->short_year && m->year == 0 && !m->bc))
            return BAD_FIELD;
        if (m->bc)
            m->year = 1 - m->year;
        else if (m->short_year)
            m->year += m->year < 70 ? 2000 : m->year < 100 ? 1900 : 0;
    }
    if (m->has & HAS_YEARDAY)
        set_day(m, types__days_of(m->year, 1, 1) + m->yearday - 1);
    if (((m->has & HAS_MONTH) && (m->month < 1 || m->month > MONTHS_IN_YEAR)) ||
        ((m->has & HAS_DAY) && (m->day < 1 || m->day > 31)))
        return BAD_DATE_ORDER;
    if ((m->has & HAS_DATE) == HAS_DATE && m->day > types__month_length(m->year, (int)m->month))
        return BAD_FIELD;
    if (m->half && m->hour > 12)
        return BAD_FIELD;
    if (m->half == HALF_AM && m->hour == 12)
        m->hour = 0;
    else if (m->half == HALF_PM && m->hour != 12)
        m->hour += 12;
    return GOOD;
}

static enum outcome read_moment(const char *s, size_t n, size_t room, struct moment *m,
                                struct pieces *pieces)
{
    if (!types__cut(s, n, room, pieces))
        return BAD_SYNTAX;
    for (int i = 0; i < pieces->n; i++) {
        struct piece *p = &pieces->all[i];
        unsigned has = 0;
        enum outcome o;
        switch (p->kind) {
        case PIECE_DATE:
            o = read_date_piece(m, p, &has);
            break;
        case PIECE_CLOCK:
            o = read_clock_piece(m, p, &has);
            o = o == GOOD && too_late(m) ? BAD_FIELD : o;
            break;
        case PIECE_OFFSET:
            o = read_offset(m, p->text);
            has = HAS_ZONE;
            break;
        case PIECE_NUMBER:
            o = read_number_piece(m, p, &has);
            break;
        default:
            o = read_word(m, p->text, i + 1 < pieces->n ? p + 1 : NULL, false, &has);
        }
        if (o != GOOD || (m->has & has))
            return o != GOOD ? o : BAD_SYNTAX;
        m->has |= has;
    }
    enum outcome o = check(m);
    if (o != GOOD || m->is_value)
        return o;
    bool summer_alone = (m->has & HAS_SUMMER) && (m->zone || !(m->has & HAS_ZONE));
    return (m->has & HAS_DATE) != HAS_DATE || summer_alone ? BAD_SYNTAX : GOOD;
}

/* ---- a time of day
 * -------------------------------------------------------------------------------- */

/* A date before the time is read and left out, where it can't be anything else. */
static bool leads_with_date(const struct pieces *pieces)
{
    return pieces->n >= 2 &&
           (pieces->all[pieces->n - 1].kind == PIECE_DATE || pieces->all[1].kind == PIECE_CLOCK);
}

static enum outcome read_time_piece(struct moment *m, struct pieces *pieces, int i,
                                    unsigned *ret_has)
{
    struct piece *p = &pieces->all[i];
    const char *point = strchr(p->text, '.');
    bool dated = i == 0 && leads_with_date(pieces);
    if (m->label && p->kind == PIECE_NUMBER)
        return read_number_piece(m, p, ret_has);
    if (p->kind == PIECE_DATE && dated)
        return read_date(m, p->text, m->has, ret_has);
    if (p->kind == PIECE_DATE && !is_digit(*p->text))
        return read_zone_name(m, p->text, ret_has);
    if (p->kind == PIECE_DATE)
        return read_time_and_offset(m, p->text, m->has | HAS_DATE, ret_has);
    if (point && i == 0 && pieces->n >= 2 && pieces->all[pieces->n - 1].kind == PIECE_DATE)
        return read_date(m, p->text, m->has, ret_has);
    if (point && point - p->text <= 2)
        return BAD_SYNTAX;
    return run_together(m, p->text, m->has | HAS_DATE, ret_has);
}

static enum outcome read_time_word(struct moment *m, const char *text, const struct piece *next,
                                   unsigned *ret_has)
{
    const struct word *w = types__date_word(text);
    const struct zone *zone;
    int32_t seconds;
    if (!w || types__zone_word(text, strlen(text), &seconds, &zone) || w->kind == WORD_HALF ||
        w->kind == WORD_ERA || w->kind == WORD_MIDNIGHT || w->kind == WORD_SUMMER ||
        w->kind == WORD_LABEL || w->kind == WORD_FILLER)
        return read_word(m, text, next, true, ret_has);
    if (w->kind != WORD_NOW)
        return BAD_SYNTAX;
    int64_t us = types__local_of(types__zone(), types__text_now());
    m->is_value = m->clock = true;
    m->us = us - types__timestamp_days(us) * DAY_US;
    *ret_has = HAS_TIME;
    return GOOD;
}

/* A zone whose offset changes tells nothing without a day. */
static bool zone_needs_day(const struct zone *z)
{
    int32_t offset = types__zone_offset(z, 0);
    for (int month = 1; month < MONTHS_IN_YEAR; month++)
        if (types__zone_offset(z, types__days_of(2024, month, 1) * DAY_US) != offset)
            return true;
    return false;
}

static enum outcome read_time(const char *s, size_t n, struct moment *m, struct pieces *pieces)
{
    if (!types__cut(s, n, MAX_BYTES_DATE, pieces))
        return BAD_SYNTAX;
    for (int i = 0; i < pieces->n; i++) {
        struct piece *p = &pieces->all[i];
        unsigned has = 0;
        enum outcome o;
        if (p->kind == PIECE_CLOCK) {
            o = read_clock_piece(m, p, &has);
        } else if (p->kind == PIECE_OFFSET) {
            o = read_offset(m, p->text);
            has = HAS_ZONE;
        } else if (p->kind == PIECE_WORD) {
            o = read_time_word(m, p->text, i + 1 < pieces->n ? p + 1 : NULL, &has);
        } else {
            o = read_time_piece(m, pieces, i, &has);
        }
        if (o != GOOD || (m->has & has))
            return o != GOOD ? o : BAD_SYNTAX;
        m->has |= has;
    }
    enum outcome o = check(m);
    if (o == GOOD && too_late(m))
        o = BAD_FIELD;
    if (o == GOOD && (m->has & HAS_TIME) != HAS_TIME)
        o = BAD_SYNTAX;
    bool summer = m->has & HAS_SUMMER, dated = (m->has & HAS_DATE) == HAS_DATE;
    if (o == GOOD && ((summer && (m->zone || !(m->has & HAS_ZONE))) ||
                      (m->zone && !dated && zone_needs_day(m->zone))))
        o = BAD_SYNTAX;
    if (o == GOOD && !(m->has & HAS_ZONE) && (m->has & HAS_DATE) && !dated)
        o = BAD_SYNTAX; /* half a day, which could not tell the session's offset */
    if (o == GOOD && !m->is_value)
        m->us = (m->hour * 3600 + m->minute * 60 + m->second) * SECOND_US + m->fraction;
    return o;
}

/* ---- what is asked for
 * ------------------------------------------------------------------------------ */

static struct error *refuse(enum outcome o, const struct moment *m, const char *type, const char *s,
                            size_t n)
{
    int len = (int)MIN(n, 1000);
    struct error *e;
    switch (o) {
    case BAD_FIELD:
    case BAD_DATE_ORDER:
        e = error_new(E_DATETIME_RANGE, "date/time field value out of range: \"%.*s\"", len, s);
        return o == BAD_FIELD
                   ? e
                   : error_hint(e, "Perhaps you need a different \"datestyle\" setting.");
    case BAD_OFFSET:
        return error_new("22009", "time zone displacement out of range: \"%.*s\"", len, s);
    case BAD_ZONE:
        return error_new("22023", "time zone \"%s\" not recognized", m->bad_zone);
    default:
        return error_new(E_BAD_DATETIME, "invalid input syntax for type %s: \"%.*s\"", type, len,
                         s);
    }
}

bool types__datetime_reads_clock(const char *s, size_t n)
{
    struct moment m = {0};
    struct pieces pieces;
    return read_moment(s, n, MAX_BYTES_TIMESTAMP, &m, &pieces) == GOOD && m.clock;
}

/* `offset`: one that is not named is the one of today. */
bool types__time_reads_clock(const char *s, size_t n, bool offset)
{
    struct moment m = {0};
    struct pieces pieces;
    return read_time(s, n, &m, &pieces) == GOOD && (m.clock || (offset && !(m.has & HAS_ZONE)));
}

struct error *types__date_parse(const char *s, size_t n, int64_t *ret)
{
    struct moment m = {0};
    struct pieces pieces;
    enum outcome o = read_moment(s, n, MAX_BYTES_DATE, &m, &pieces);
    if (o != GOOD)
        return refuse(o, &m, "date", s, n);
    int64_t days;
    if (!m.is_value)
        days = types__days_of(m.year, (int)m.month, (int)m.day);
    else if (m.us == TIMESTAMP_NEVER || m.us == TIMESTAMP_EVER)
        days = m.us == TIMESTAMP_EVER ? DATE_EVER : DATE_NEVER;
    else
        days = types__timestamp_days(m.clock ? types__local_of(types__zone(), m.us) : m.us);
    bool infinite = days == DATE_NEVER || days == DATE_EVER;
    if (!types__date_valid(days) || (infinite && !m.is_value))
        return error_new(E_DATETIME_RANGE, "date out of range: \"%.*s\"", (int)MIN(n, 1000), s);
    *ret = days;
    return NULL;
}

/* False: beyond what is stored. The days are checked first, so that nothing here overflows. */
static bool us_of(const struct moment *m, bool zone, int64_t *ret)
{
    int64_t days = types__days_of(m->year, (int)m->month, (int)m->day);
    if (days < -2451546 || days > INT64_MAX / DAY_US - 1)
        return false;
    bool local = !zone || m->zone || !(m->has & HAS_ZONE);
    int64_t seconds = m->hour * 3600 + m->minute * 60 + m->second - (local ? 0 : m->offset);
    *ret = days * DAY_US + seconds * SECOND_US + m->fraction;
    if (zone && local)
        *ret = types__utc_of(m->zone ? m->zone : types__zone(), *ret);
    return types__timestamp_valid(*ret);
}

struct error *types__timestamp_parse(const char *s, size_t n, bool zone, int32_t typmod,
                                     int64_t *ret)
{
    struct moment m = {0};
    struct pieces pieces;
    const char *type = zone ? "timestamp with time zone" : "timestamp";
    enum outcome o = read_moment(s, n, MAX_BYTES_TIMESTAMP, &m, &pieces);
    if (o != GOOD)
        return refuse(o, &m, type, s, n);
    if (!m.is_value && !us_of(&m, zone, &m.us))
        return error_new(E_DATETIME_RANGE, "timestamp out of range: \"%.*s\"", (int)MIN(n, 1000),
                         s);
    if (m.clock && m.is_value && !zone)
        m.us = types__local_of(types__zone(), m.us);
    return types__timestamp_fit(m.us, typmod, ret);
}

/* A time of day; a zone behind it is read and left out, and so is a date, as in PostgreSQL. */
struct error *types__time_parse(const char *s, size_t n, int32_t typmod, int64_t *ret)
{
    struct moment m = {0};
    struct pieces pieces;
    enum outcome o = read_time(s, n, &m, &pieces);
    if (o != GOOD)
        return refuse(o, &m, "time", s, n);
    return types__timestamp_fit(m.us, typmod, ret);
}

/* The offset that is named, or that a zone has on the day that is named, or today. */
static int32_t time_offset(const struct moment *m)
{
    if ((m->has & HAS_ZONE) && !m->zone)
        return (int32_t)m->offset;
    const struct zone *z = m->zone ? m->zone : types__zone();
    int64_t days = (m->has & HAS_DATE) == HAS_DATE && !m->clock
                       ? types__days_of(m->year, (int)m->month, (int)m->day)
                       : types__timestamp_days(types__local_of(z, types_now()));
    int64_t local = days * DAY_US + m->us;
    return (int32_t)((local - types__utc_of(z, local)) / SECOND_US);
}

struct error *types__timetz_parse(const char *s, size_t n, int32_t typmod, int64_t *ret)
{
    struct moment m = {0};
    struct pieces pieces;
    enum outcome o = read_time(s, n, &m, &pieces);
    if (o != GOOD)
        return refuse(o, &m, "time with time zone", s, n);
    int32_t east =
        m.is_value && m.clock ? types__zone_offset(types__zone(), types_now()) : time_offset(&m);
    return types__timetz_fit(types__timetz_pack(m.us, east), typmod, ret);
}
