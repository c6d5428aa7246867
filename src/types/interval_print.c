/*
 * The text forms of interval: as it is stored, which is IntervalStyle postgres, and by the
 * session's IntervalStyle.
 */
#include "types/interval.h"
#include "types/zone.h"

#include <stdlib.h>

static void print_part(struct buf *out, int value, const char *unit, bool *ret_negative)
{
    if (value == 0)
        return;
    buf_printf(out, "%s%s%d %s%s", out->len ? " " : "", *ret_negative && value > 0 ? "+" : "",
               value, unit, value == 1 ? "" : "s");
    *ret_negative = value < 0;
}

void interval_print(const struct interval *i, struct buf *to)
{
    _cleanup_(buf_done) struct buf out = {0};
    bool negative = false;
    print_part(&out, i->months / MONTHS_IN_YEAR, "year", &negative);
    print_part(&out, i->months % MONTHS_IN_YEAR, "mon", &negative);
    print_part(&out, i->days, "day", &negative);
    if (i->us || !out.len) {
        uint64_t us = i->us < 0 ? -(uint64_t)i->us : (uint64_t)i->us;
        uint64_t seconds = us / (uint64_t)SECOND_US;
        buf_printf(&out, "%s%s%02llu:%02d:%02d", out.len ? " " : "",
                   i->us < 0  ? "-"
                   : negative ? "+"
                              : "",
                   (unsigned long long)seconds / 3600, (int)(seconds / 60 % 60),
                   (int)(seconds % 60));
        if (us % (uint64_t)SECOND_US) {
            buf_printf(&out, ".%06d", (int)(us % (uint64_t)SECOND_US));
            while (out.data[out.len - 1] == '0')
                out.data[--out.len] = 0;
        }
    }
    buf_append(to, out.data, out.len);
}

/* ---- other styles ------------------------------------------------------------------------------
 */

/* An interval in fields, each with its own sign */
struct fields {
    int years, months, days;
    int64_t hours;
    int minutes, seconds, fraction;
};

static struct fields fields_of(const struct interval *i)
{
    struct fields f = {.years = i->months / MONTHS_IN_YEAR,
                       .months = i->months % MONTHS_IN_YEAR,
                       .days = i->days,
                       .hours = i->us / (3600 * SECOND_US),
                       .minutes = (int)(i->us / (60 * SECOND_US) % 60),
                       .seconds = (int)(i->us / SECOND_US % 60),
                       .fraction = (int)(i->us % SECOND_US)};
    return f;
}

static void print_seconds(const struct fields *f, int width, struct buf *out)
{
    buf_printf(out, "%0*d", width, abs(f->seconds));
    if (f->fraction) {
        buf_printf(out, ".%06d", abs(f->fraction));
        while (out->data[out->len - 1] == '0')
            out->data[--out->len] = 0;
    }
}

static long long magnitude(int64_t x)
{
    return x < 0 ? -(long long)x : (long long)x;
}

/* 1-2, 3 4:05:06, or with mixed parts +1-2 -3 +4:05:06 */
static void print_sql(const struct interval *i, struct buf *out)
{
    const struct fields f = fields_of(i);
    bool negative = i->months < 0 || i->days < 0 || i->us < 0;
    bool positive = i->months > 0 || i->days > 0 || i->us > 0;
    bool standard = !(negative && positive) && !(i->months && (i->days || i->us));
    if (!negative && !positive) {
        buf_puts(out, "0");
        return;
    }
    if (!standard)
        buf_printf(out, "%c%lld-%d %c%lld %c%lld:%02d:", i->months < 0 ? '-' : '+',
                   magnitude(f.years), abs(f.months), i->days < 0 ? '-' : '+', magnitude(f.days),
                   i->us < 0 ? '-' : '+', magnitude(f.hours), abs(f.minutes));
    else if (negative)
        buf_puts(out, "-");
    if (standard && i->months) {
        buf_printf(out, "%lld-%d", magnitude(f.years), abs(f.months));
        return;
    }
    if (standard && i->days)
        buf_printf(out, "%lld ", magnitude(f.days));
    if (standard)
        buf_printf(out, "%lld:%02d:", magnitude(f.hours), abs(f.minutes));
    print_seconds(&f, 2, out);
}

static void print_iso_part(struct buf *out, int64_t value, char unit)
{
    if (value)
        buf_printf(out, "%lld%c", (long long)value, unit);
}

/* P1Y2M3DT4H5M6.7S */
static void print_iso(const struct interval *i, struct buf *out)
{
    const struct fields f = fields_of(i);
    if (!i->months && !i->days && !i->us) {
        buf_puts(out, "PT0S");
        return;
    }
    buf_puts(out, "P");
    print_iso_part(out, f.years, 'Y');
    print_iso_part(out, f.months, 'M');
    print_iso_part(out, f.days, 'D');
    if (i->us)
        buf_puts(out, "T");
    print_iso_part(out, f.hours, 'H');
    print_iso_part(out, f.minutes, 'M');
    if (f.seconds || f.fraction) {
        buf_puts(out, f.seconds < 0 || f.fraction < 0 ? "-" : "");
        print_seconds(&f, 1, out);
        buf_puts(out, "S");
    }
}

/* The first part that is not 0 says whether it is "ago". */
static void print_verbose_part(struct buf *out, int64_t value, const char *unit, int *ago)
{
    if (!value)
        return;
    if (*ago < 0)
        *ago = value < 0;
    long long shown = (long long)(*ago ? -(uint64_t)value : (uint64_t)value);
    buf_printf(out, " %lld %s%s", shown, unit, shown == 1 ? "" : "s");
}

/* @ 1 year 2 mons 3 days 4 hours 5 mins 6.7 secs ago */
static void print_verbose(const struct interval *i, struct buf *out)
{
    const struct fields f = fields_of(i);
    int ago = -1;
    buf_puts(out, "@");
    print_verbose_part(out, f.years, "year", &ago);
    print_verbose_part(out, f.months, "mon", &ago);
    print_verbose_part(out, f.days, "day", &ago);
    print_verbose_part(out, f.hours, "hour", &ago);
    print_verbose_part(out, f.minutes, "min", &ago);
    if (f.seconds || f.fraction) {
        bool negative = f.seconds < 0 || f.fraction < 0;
        if (ago < 0)
            ago = negative;
        buf_puts(out, negative != ago ? " -" : " ");
        print_seconds(&f, 1, out);
        buf_puts(out, abs(f.seconds) != 1 || f.fraction ? " secs" : " sec");
    }
    buf_puts(out, ago < 0 ? " 0" : ago ? " ago" : "");
}

void types__interval_show(const struct value *v, struct buf *out)
{
    static void (*const print[])(const struct interval *,
                                 struct buf *) = {[INTERVALS_VERBOSE] = print_verbose,
                                                  [INTERVALS_SQL] = print_sql,
                                                  [INTERVALS_ISO] = print_iso};
    struct interval i = {0};
    uint8_t style = types__style()->intervals;
    if (style == INTERVALS_POSTGRES) {
        buf_append(out, v->s.p, v->s.n);
        return;
    }
    error_free(interval_of(v, &i)); /* what is stored was printed here */
    print[style](&i, out);
}
