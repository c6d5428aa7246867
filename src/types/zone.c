/*
 * Time zones.
 *
 * A zone is what one file of the system's time zone database says (TZif, RFC 8536): moments at
 * which the clocks were changed, and behind the last of them a rule for ever (a POSIX TZ string,
 * "CET-1CEST,M3.5.0,M10.5.0/3"). Such a string, an abbreviation (EST) and a number of hours make a
 * zone without a file. Zones are read once, shared, immutable and never freed: there are some
 * hundreds of names, and what is no zone is not kept.
 *
 * A statement's zone is its session's. Functions find it with the thread that runs them: whoever
 * runs a statement for a session says style_use() first. UTC is NULL, and costs nothing.
 *
 * Moments are microseconds since 2000-01-01 as everywhere in types/; inside here, seconds.
 */
#include "types/zone.h"

#include "types/interval.h"

#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>

#define DIRECTORY "/usr/share/zoneinfo"
#define EPOCH_1970_S (-INT64_C(946684800)) /* 1970 in seconds since 2000 */
#define DAY_S INT64_C(86400)
enum { FILE_MAX = 1 << 20, NAME_MAX_ = 255, ABBREVIATION = NAME_MAX_ + 1 };

struct offset {
    int32_t seconds; /* east of Greenwich */
    bool dst;
    char name[ABBREVIATION];
};

/* When, in each year, clocks are changed */
struct rule_day {
    char kind; /* 'M': month.week.weekday; 'J': day of the year without February 29; 'N': with */
    int month, week, day; /* J and N: day alone */
    int32_t time;         /* seconds after local midnight; may be negative, or beyond a day */
};

struct zone {
    char *name;
    int n_changes, n_offsets;
    int64_t *at;    /* seconds since 2000, rising */
    uint8_t *after; /* index into offsets */
    struct offset *offsets;
    /* The rule for what lies behind the last change; without one (std.name is empty) nothing
     * changes any more. */
    bool has_rule;
    struct offset std, dst; /* dst.name is empty: no change in a year */
    struct rule_day start, end;
    /* An abbreviation (its name is std.name), which may be looked up in a zone that has a file. */
    bool abbreviation;
    const struct zone *meant_in;
    struct zone *next; /* in `zones` */
};

/* ---- the rule for ever ---------------------------------------------------------------------- */

static bool take_name(const char **p, char *ret)
{
    const char *s = *p, *end;
    if (*s == '<') {
        end = strchr(++s, '>');
        if (!end)
            return false;
        *p = end + 1;
    } else {
        end = s + strcspn(s, "0123456789,+-");
        *p = end;
    }
    if (end - s >= ABBREVIATION)
        return false;
    memcpy(ret, s, (size_t)(end - s));
    ret[end - s] = 0;
    return true;
}

static bool take_int(const char **p, int max, int *ret)
{
    if (!isdigit((unsigned char)**p))
        return false;
    for (*ret = 0; isdigit((unsigned char)**p) && *ret <= max; (*p)++)
        *ret = *ret * 10 + (**p - '0');
    return *ret <= max;
}

/* [+-]hh[:mm[:ss]] */
static bool take_hours(const char **p, int max, int32_t *ret)
{
    int h, m = 0, s = 0;
    bool minus = **p == '-';
    if (**p == '-' || **p == '+')
        (*p)++;
    if (!take_int(p, max, &h))
        return false;
    if (**p == ':') {
        (*p)++;
        if (!take_int(p, 59, &m))
            return false;
        if (**p == ':') {
            (*p)++;
            if (!take_int(p, 59, &s))
                return false;
        }
    }
    *ret = (h * 3600 + m * 60 + s) * (minus ? -1 : 1);
    return true;
}

static bool take_day(const char **p, struct rule_day *ret)
{
    if (*(*p)++ != ',')
        return false;
    ret->kind = isdigit((unsigned char)**p) ? 'N' : *(*p)++;
    ret->time = 2 * 3600;
    if (ret->kind == 'M') {
        if (!take_int(p, 12, &ret->month) || *(*p)++ != '.' || !take_int(p, 5, &ret->week) ||
            *(*p)++ != '.' || !take_int(p, 6, &ret->day) || !ret->month || !ret->week)
            return false;
    } else if ((ret->kind != 'J' && ret->kind != 'N') || !take_int(p, 365, &ret->day)) {
        return false;
    }
    if (**p != '/')
        return true;
    (*p)++;
    return take_hours(p, 167, &ret->time);
}

/* std offset [dst [offset] [, start [/time] , end [/time]]]; offsets are west of Greenwich there.
 * As PostgreSQL reads them: names are whatever is no number, and of std there may be none; a dst
 * without days has those of the USA. */
static bool parse_rule(const char *s, struct zone *z)
{
    int32_t west;
    if (!take_name(&s, z->std.name) || !take_hours(&s, 167, &west))
        return false;
    z->has_rule = true;
    z->std.seconds = -west;
    if (!*s)
        return true;
    if (!take_name(&s, z->dst.name) || !z->dst.name[0])
        return false;
    z->dst.seconds = z->std.seconds + 3600;
    z->dst.dst = true;
    if (*s && *s != ',') {
        if (!take_hours(&s, 167, &west))
            return false;
        z->dst.seconds = -west;
    }
    if (!*s)
        s = ",M3.2.0,M11.1.0";
    return take_day(&s, &z->start) && take_day(&s, &z->end) && !*s;
}

/* Seconds since 2000, by a local clock. */
static int64_t day_in(const struct rule_day *r, int64_t year)
{
    int64_t first = types__days_of(year, 1, 1), day;
    if (r->kind == 'N') {
        day = first + r->day;
    } else if (r->kind == 'J') {
        day = first + r->day - 1 + (r->day >= 60 && types__month_length(year, 2) == 29);
    } else {
        int64_t month = types__days_of(year, r->month, 1);
        int weekday = (int)(((month + 6) % 7 + 7) % 7); /* 2000-01-01 was a Saturday */
        day = month + (r->day - weekday + 7) % 7 + (r->week - 1) * 7;
        while (day >= month + types__month_length(year, r->month))
            day -= 7;
    }
    return day * DAY_S + r->time;
}

/* ---- at a moment ---------------------------------------------------------------------------- */

static int64_t floor_div(int64_t x, int64_t y)
{
    return x / y - (x % y < 0);
}

/* The first change of the rule that is later than `at`; *ret: what holds then. */
static int64_t rule_change(const struct zone *z, int64_t at, const struct offset **ret)
{
    int64_t year;
    int month, day;
    types__civil_of(floor_div(at, DAY_S), &year, &month, &day);
    int64_t best = INT64_MAX;
    for (int64_t y = year - 1; y <= year + 2; y++) {
        int64_t on = day_in(&z->start, y) - z->std.seconds,
                off = day_in(&z->end, y) - z->dst.seconds;
        if (on > at && on < best) {
            best = on;
            *ret = &z->dst;
        }
        if (off > at && off < best) {
            best = off;
            *ret = &z->std;
        }
    }
    return best;
}

static const struct offset *first_offset(const struct zone *z)
{
    return z->n_offsets ? &z->offsets[0] : &z->std;
}

/* How many of the file's changes lie at or before a moment. */
static int changes_until(const struct zone *z, int64_t at)
{
    int low = 0, high = z->n_changes;
    while (low < high) {
        int middle = (low + high) / 2;
        if (z->at[middle] <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct offset *offset_at(const struct zone *z, int64_t at)
{
    int n = changes_until(z, at);
    if (n < z->n_changes || !z->has_rule)
        return n ? &z->offsets[z->after[n - 1]] : first_offset(z);
    if (!z->dst.name[0])
        return &z->std;
    const struct offset *next = &z->std;
    rule_change(z, at, &next);
    return next == &z->dst ? &z->std : &z->dst;
}

/* The first change later than `at`, INT64_MAX: there is none. */
static int64_t next_change(const struct zone *z, int64_t at)
{
    int n = changes_until(z, at);
    if (n < z->n_changes)
        return z->at[n];
    const struct offset *next;
    return z->dst.name[0] ? rule_change(z, at, &next) : INT64_MAX;
}

static bool infinite(int64_t us)
{
    return us == TIMESTAMP_NEVER || us == TIMESTAMP_EVER;
}

static bool has_name(const struct offset *o, const char *name)
{
    return strcmp(o->name, name) == 0;
}

/* What an abbreviation meant in a zone: the last time that it was used until `at`, or else the
 * first time later; and where it never was, the zone's own offset. */
static const struct offset *meaning(const struct zone *z, const char *name, int64_t at)
{
    int n = changes_until(z, at);
    if (n == z->n_changes && z->has_rule && has_name(&z->std, name))
        return &z->std;
    if (n == z->n_changes && z->dst.name[0] && has_name(&z->dst, name))
        return &z->dst;
    for (int i = n; i-- > 0;)
        if (has_name(&z->offsets[z->after[i]], name))
            return &z->offsets[z->after[i]];
    if (has_name(first_offset(z), name))
        return first_offset(z);
    for (int i = n; i < z->n_changes; i++)
        if (has_name(&z->offsets[z->after[i]], name))
            return &z->offsets[z->after[i]];
    return offset_at(z, at);
}

int32_t types__zone_offset(const struct zone *z, int64_t utc)
{
    if (z && z->meant_in && !infinite(utc))
        return meaning(z->meant_in, z->std.name, floor_div(utc, SECOND_US))->seconds;
    return !z || infinite(utc) ? 0 : offset_at(z, floor_div(utc, SECOND_US))->seconds;
}

void types__zone_abbreviation(const struct zone *z, int64_t utc, struct buf *out)
{
    buf_puts(out, !z ? "UTC" : offset_at(z, floor_div(utc, SECOND_US))->name);
}

int64_t types__local_of(const struct zone *z, int64_t utc)
{
    return utc + types__zone_offset(z, utc) * SECOND_US;
}

int64_t types__utc_of(const struct zone *z, int64_t local)
{
    if (!z || infinite(local))
        return local;
    if (z->meant_in)
        return local - types__zone_offset(z, types__utc_of(z->meant_in, local)) * SECOND_US;
    int64_t s = floor_div(local, SECOND_US);
    const struct offset *before = offset_at(z, s - DAY_S);
    int64_t change = next_change(z, s - DAY_S);
    if (change > s + DAY_S)
        return local - before->seconds * SECOND_US;
    const struct offset *after = offset_at(z, change);
    int64_t if_before = s - before->seconds, if_after = s - after->seconds;
    bool early =
        if_before < change && if_after<change, late = if_before> change && if_after >= change;
    if (early || (!late && if_before > if_after))
        return local - before->seconds * SECOND_US;
    return local - after->seconds * SECOND_US;
}

/* ---- files ---------------------------------------------------------------------------------- */

struct bytes {
    const unsigned char *p, *end;
};

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

struct counts {
    uint32_t isut, isstd, leap, time, type, chars;
};

static bool read_header(struct bytes *r, struct counts *c, int *ret_version)
{
    if (r->end - r->p < 44 || memcmp(r->p, "TZif", 4) != 0)
        return false;
    *ret_version = r->p[4] ? r->p[4] - '0' : 1;
    uint32_t *const fields[] = {&c->isut, &c->isstd, &c->leap, &c->time, &c->type, &c->chars};
    for (int i = 0; i < 6; i++) {
        *fields[i] = be32(r->p + 20 + 4 * i);
        if (*fields[i] > FILE_MAX)
            return false;
    }
    r->p += 44;
    return c->type > 0 && c->type <= 256;
}

static size_t block_size(const struct counts *c, size_t time_size)
{
    return c->time * (time_size + 1) + c->type * 6 + c->chars + c->leap * (time_size + 4) +
           c->isstd + c->isut;
}

static bool read_block(struct bytes *r, const struct counts *c, struct zone *z)
{
    if ((size_t)(r->end - r->p) < block_size(c, 8))
        return false;
    const unsigned char *types = r->p + c->time * 9, *chars = types + c->type * 6;
    z->at = mem_alloc(MAX(c->time, 1) * sizeof(*z->at));
    z->after = mem_alloc(MAX(c->time, 1));
    z->offsets = mem_alloc(c->type * sizeof(*z->offsets));
    for (uint32_t i = 0; i < c->time; i++) {
        uint64_t at = (uint64_t)be32(r->p + 8 * i) << 32 | be32(r->p + 8 * i + 4);
        z->at[i] = (int64_t)MAX((int64_t)at, INT64_MIN / 4) + EPOCH_1970_S;
        z->after[i] = r->p[c->time * 8 + i];
        if (z->after[i] >= c->type || (i && z->at[i] < z->at[i - 1]))
            return false;
    }
    for (uint32_t i = 0; i < c->type; i++) {
        const unsigned char *t = types + i * 6;
        struct offset *o = &z->offsets[i];
        o->seconds = (int32_t)be32(t);
        o->dst = t[4];
        if (t[5] >= c->chars || o->seconds < -DAY_S * 2 || o->seconds > DAY_S * 2)
            return false;
        snprintf(o->name, sizeof(o->name), "%.*s", (int)(c->chars - t[5]),
                 (const char *)chars + t[5]);
    }
    z->n_changes = (int)c->time;
    z->n_offsets = (int)c->type;
    r->p += block_size(c, 8);
    return true;
}

/* The part with 64-bit times, and the rule behind it. */
static bool parse_file(const void *data, size_t n, struct zone *z)
{
    struct bytes r = {data, (const unsigned char *)data + n};
    struct counts c;
    int version;
    if (!read_header(&r, &c, &version) || version < 2 || (size_t)(r.end - r.p) < block_size(&c, 4))
        return false;
    r.p += block_size(&c, 4);
    if (!read_header(&r, &c, &version) || c.leap || !read_block(&r, &c, z)) /* no leap seconds */
        return false;
    if (r.end - r.p < 2 || *r.p != '\n')
        return true;
    const unsigned char *line_end = memchr(r.p + 1, '\n', (size_t)(r.end - r.p) - 1);
    if (!line_end || line_end == r.p + 1)
        return true;
    char *rule = mem_printf("%.*s", (int)(line_end - r.p - 1), (const char *)r.p + 1);
    bool ok = parse_rule(rule, z);
    mem_free(rule);
    return ok;
}

static void zone_free(struct zone *z)
{
    if (!z)
        return;
    mem_free(z->name);
    mem_free(z->at);
    mem_free(z->after);
    mem_free(z->offsets);
    mem_free(z);
}

static struct zone *load(const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), DIRECTORY "/%s", name);
    FILE *f = fopen(path, "re");
    struct stat st;
    if (!f || fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
        if (f)
            fclose(f);
        return NULL;
    }
    _cleanup_(mem_freep) char *data = mem_alloc((size_t)st.st_size + 1);
    size_t n = fread(data, 1, (size_t)st.st_size, f);
    fclose(f);
    struct zone *z = mem_zalloc(sizeof(*z));
    z->name = mem_strdup(name);
    if (parse_file(data, n, z))
        return z;
    zone_free(z);
    return NULL;
}

/* ---- names ---------------------------------------------------------------------------------- */

/* Finds the spelling of each part of a name, in any case, as the directory has it. */
static bool true_name(const char *name, char *ret, size_t size)
{
    char path[PATH_MAX];
    size_t n = 0;
    for (const char *part = name; *part;) {
        size_t len = strcspn(part, "/");
        snprintf(path, sizeof(path), DIRECTORY "/%.*s", (int)n, ret);
        DIR *d = opendir(path);
        const struct dirent *found = NULL;
        while (d && len && *part != '.' && (found = readdir(d)))
            if (strlen(found->d_name) == len && strncasecmp(found->d_name, part, len) == 0)
                break;
        if (found && n + len + 2 < size)
            n += (size_t)snprintf(ret + n, size - n, "%s%s", n ? "/" : "", found->d_name);
        else
            len = 0;
        if (d)
            closedir(d);
        if (!len)
            return false;
        part += len + (part[len] == '/');
    }
    return n > 0;
}

/* What PostgreSQL knows by default (its pg_timezone_abbrevs), in minutes east of Greenwich, by
 * name. */
static const struct abbreviation {
    const char *name;
    int16_t minutes;
} abbreviations[] = {
    {"acdt", 630},   {"acsst", 630},  {"acst", 570},  {"act", -300},   {"acwst", 525},
    {"adt", -180},   {"aedt", 660},   {"aesst", 660}, {"aest", 600},   {"aft", 270},
    {"akdt", -480},  {"akst", -540},  {"almst", 420}, {"almt", 360},   {"amst", 240},
    {"amt", -240},   {"anast", 720},  {"anat", 720},  {"arst", -180},  {"art", -180},
    {"ast", -240},   {"awsst", 540},  {"awst", 480},  {"azost", 0},    {"azot", -60},
    {"azst", 240},   {"azt", 240},    {"bdst", 120},  {"bdt", 360},    {"bnt", 480},
    {"bort", 480},   {"bot", -240},   {"bra", -180},  {"brst", -120},  {"brt", -180},
    {"bst", 60},     {"btt", 360},    {"cadt", 630},  {"cast", 570},   {"cct", 480},
    {"cdt", -300},   {"cest", 120},   {"cet", 60},    {"cetdst", 120}, {"chadt", 825},
    {"chast", 765},  {"chut", 600},   {"ckt", -600},  {"clst", -180},  {"clt", -180},
    {"cot", -300},   {"cst", -360},   {"cxt", 420},   {"davt", 420},   {"ddut", 600},
    {"easst", -300}, {"east", -300},  {"eat", 180},   {"edt", -240},   {"eest", 180},
    {"eet", 120},    {"eetdst", 180}, {"egst", 0},    {"egt", -60},    {"est", -300},
    {"fet", 180},    {"fjst", 780},   {"fjt", 720},   {"fkst", -180},  {"fkt", -180},
    {"fnst", -60},   {"fnt", -120},   {"galt", -360}, {"gamt", -540},  {"gest", 240},
    {"get", 240},    {"gft", -180},   {"gilt", 720},  {"gmt", 0},      {"gyt", -240},
    {"hkt", 480},    {"hst", -600},   {"ict", 420},   {"idt", 180},    {"iot", 360},
    {"irkst", 480},  {"irkt", 480},   {"irt", 210},   {"ist", 120},    {"jayt", 540},
    {"jst", 540},    {"kdt", 600},    {"kgst", 360},  {"kgt", 360},    {"kost", 660},
    {"krast", 420},  {"krat", 420},   {"kst", 540},   {"lhdt", 660},   {"lhst", 630},
    {"ligt", 600},   {"lint", 840},   {"lkt", 330},   {"magst", 660},  {"magt", 660},
    {"mart", -570},  {"mawt", 300},   {"mdt", -360},  {"mest", 120},   {"mesz", 120},
    {"met", 60},     {"metdst", 120}, {"mez", 60},    {"mht", 720},    {"mmt", 390},
    {"mpt", 600},    {"msd", 240},    {"msk", 180},   {"mst", -420},   {"must", 300},
    {"mut", 240},    {"mvt", 300},    {"myt", 480},   {"ndt", -150},   {"nft", -210},
    {"novst", 420},  {"novt", 420},   {"npt", 345},   {"nst", -210},   {"nut", -660},
    {"nzdt", 780},   {"nzst", 720},   {"nzt", 720},   {"omsst", 360},  {"omst", 360},
    {"pdt", -420},   {"pet", -300},   {"petst", 720}, {"pett", 720},   {"pgt", 600},
    {"pht", 480},    {"pkst", 360},   {"pkt", 300},   {"pmdt", -120},  {"pmst", -180},
    {"pont", 660},   {"pst", -480},   {"pwt", 540},   {"pyst", -180},  {"pyt", -180},
    {"ret", 240},    {"sadt", 630},   {"sast", 120},  {"sct", 240},    {"sgt", 480},
    {"taht", -600},  {"tft", 300},    {"tjt", 300},   {"tkt", 780},    {"tmt", 300},
    {"tot", 780},    {"trut", 600},   {"tvt", 720},   {"uct", 0},      {"ulast", 540},
    {"ulat", 480},   {"ut", 0},       {"utc", 0},     {"uyst", -120},  {"uyt", -180},
    {"uzst", 360},   {"uzt", 300},    {"vet", -240},  {"vlast", 600},  {"vlat", 600},
    {"volt", 180},   {"vut", 660},    {"wadt", 480},  {"wakt", 720},   {"wast", 420},
    {"wat", 60},     {"wdt", 540},    {"wet", 0},     {"wetdst", 60},  {"wft", 720},
    {"wgst", -120},  {"wgt", -180},   {"xjt", 360},   {"yakst", 540},  {"yakt", 540},
    {"yapt", 600},   {"yekst", 360},  {"yekt", 300},  {"z", 0},        {"zulu", 0},
};

/* Those that meant this and that over the years: the zone in which they did. */
static const struct {
    const char *name, *zone;
} wandering[] = {
    {"amst", "Asia/Yerevan"},
    {"anast", "Asia/Anadyr"},
    {"anat", "Asia/Anadyr"},
    {"arst", "America/Argentina/Buenos_Aires"},
    {"art", "America/Argentina/Buenos_Aires"},
    {"azst", "Asia/Baku"},
    {"azt", "Asia/Baku"},
    {"ckt", "Pacific/Rarotonga"},
    {"clt", "America/Santiago"},
    {"davt", "Antarctica/Davis"},
    {"easst", "Pacific/Easter"},
    {"east", "Pacific/Easter"},
    {"fkst", "Atlantic/Stanley"},
    {"fkt", "Atlantic/Stanley"},
    {"gest", "Asia/Tbilisi"},
    {"get", "Asia/Tbilisi"},
    {"gyt", "America/Guyana"},
    {"iot", "Indian/Chagos"},
    {"irkst", "Asia/Irkutsk"},
    {"irkt", "Asia/Irkutsk"},
    {"kgt", "Asia/Bishkek"},
    {"kost", "Pacific/Kosrae"},
    {"krast", "Asia/Krasnoyarsk"},
    {"krat", "Asia/Krasnoyarsk"},
    {"lhdt", "Australia/Lord_Howe"},
    {"lint", "Pacific/Kiritimati"},
    {"lkt", "Asia/Colombo"},
    {"magst", "Asia/Magadan"},
    {"magt", "Asia/Magadan"},
    {"mawt", "Antarctica/Mawson"},
    {"msk", "Europe/Moscow"},
    {"novst", "Asia/Novosibirsk"},
    {"novt", "Asia/Novosibirsk"},
    {"nut", "Pacific/Niue"},
    {"omsst", "Asia/Omsk"},
    {"omst", "Asia/Omsk"},
    {"petst", "Asia/Kamchatka"},
    {"pett", "Asia/Kamchatka"},
    {"pyt", "America/Asuncion"},
    {"sgt", "Asia/Singapore"},
    {"tkt", "Pacific/Fakaofo"},
    {"tmt", "Asia/Ashgabat"},
    {"ulat", "Asia/Ulaanbaatar"},
    {"vet", "America/Caracas"},
    {"vlast", "Asia/Vladivostok"},
    {"vlat", "Asia/Vladivostok"},
    {"volt", "Europe/Volgograd"},
    {"yakst", "Asia/Yakutsk"},
    {"yakt", "Asia/Yakutsk"},
    {"yekt", "Asia/Yekaterinburg"},
};

static const struct abbreviation *abbreviation_of(const char *s, size_t n)
{
    size_t low = 0, high = ARRAY_LEN(abbreviations);
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *name = abbreviations[middle].name;
        int order = strncasecmp(s, name, n);
        if (order == 0 && !name[n])
            return &abbreviations[middle];
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static const char *wanders_in(const struct abbreviation *a)
{
    for (size_t i = 0; i < ARRAY_LEN(wandering); i++)
        if (strcmp(wandering[i].name, a->name) == 0)
            return wandering[i].zone;
    return NULL;
}

bool types__zone_word(const char *s, size_t n, int32_t *ret_seconds, const struct zone **ret_zone)
{
    const struct abbreviation *found = abbreviation_of(s, n);
    if (!found)
        return false;
    *ret_seconds = found->minutes * 60;
    *ret_zone = wanders_in(found) ? zone_find(s, n) : NULL;
    return true;
}

static struct zone *fixed(const char *name, int32_t seconds, const char *abbreviation)
{
    struct zone *z = mem_zalloc(sizeof(*z));
    z->name = mem_strdup(name);
    z->std.seconds = seconds;
    snprintf(z->std.name, sizeof(z->std.name), "%s", abbreviation);
    return z;
}

static struct zone *of_rule(const char *name)
{
    struct zone *z = mem_zalloc(sizeof(*z));
    char upper[NAME_MAX_ + 1];
    for (size_t i = 0; i <= strlen(name); i++)
        upper[i] = (char)toupper((unsigned char)name[i]);
    z->name = mem_strdup(upper);
    if (parse_rule(upper, z))
        return z;
    zone_free(z);
    return NULL;
}

static struct zone *of_file(const char *name)
{
    char spelled[NAME_MAX_ + 1] = "";
    return true_name(name, spelled, sizeof(spelled)) ? load(spelled) : NULL;
}

/* ---- the zones that were asked for ---------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct zone *zones; /* under `lock`; by the names that were asked for, and by their own */
enum { MAX_ZONES = 4096 };
static int n_zones;

static const struct zone *known(const char *name, bool abbreviation)
{
    for (const struct zone *z = zones; z; z = z->next)
        if (z->abbreviation == abbreviation && strcmp(z->name, name) == 0)
            return z;
    return NULL;
}

/* Takes z; gives the one that is kept under its name. */
static const struct zone *keep(struct zone *z)
{
    const struct zone *old = z ? known(z->name, z->abbreviation) : NULL;
    if (old || !z || n_zones >= MAX_ZONES) {
        zone_free(z);
        return old;
    }
    n_zones++;
    z->next = zones;
    zones = z;
    return z;
}

/* Both under `lock`. */
static const struct zone *find_zone(const char *name)
{
    const struct zone *z = known(name, false);
    z = z ? z : keep(of_file(name));
    return z ? z : keep(of_rule(name));
}

static const struct zone *find_abbreviation(const char *name)
{
    const struct abbreviation *found = abbreviation_of(name, strlen(name));
    char upper[ABBREVIATION] = {0};
    if (!found)
        return NULL;
    for (size_t i = 0; name[i] && i < sizeof(upper) - 1; i++)
        upper[i] = (char)toupper((unsigned char)name[i]);
    const struct zone *old = known(upper, true);
    if (old)
        return old;
    struct zone *z = fixed(upper, found->minutes * 60, upper);
    z->abbreviation = true;
    z->meant_in = wanders_in(found) ? find_zone(wanders_in(found)) : NULL;
    return keep(z);
}

static const struct zone *find(const char *name, bool abbreviation_first)
{
    pthread_mutex_lock(&lock);
    const struct zone *z = abbreviation_first ? find_abbreviation(name) : NULL;
    z = z ? z : find_zone(name);
    pthread_mutex_unlock(&lock);
    return z;
}

/* "+03" and "-4.5": hours to the east. */
static const struct zone *of_hours(const char *text)
{
    char *end, name[64];
    double hours = strtod(text, &end);
    if (end == text || *end || !(hours >= -167 && hours <= 167))
        return NULL;
    int32_t seconds = (int32_t)(hours * 3600);
    int west = abs(seconds);
    char digits[32];
    int n = snprintf(digits, sizeof(digits), "%02d", west / 3600);
    if (west % 3600)
        n += snprintf(digits + n, sizeof(digits) - (size_t)n, ":%02d", west / 60 % 60);
    if (west % 60)
        snprintf(digits + n, sizeof(digits) - (size_t)n, ":%02d", west % 60);
    snprintf(name, sizeof(name), "<%c%s>%c%s", seconds < 0 ? '-' : '+', digits,
             seconds < 0 ? '+' : '-', digits);
    char abbreviation[40];
    snprintf(abbreviation, sizeof(abbreviation), "%c%s", seconds < 0 ? '-' : '+', digits);
    pthread_mutex_lock(&lock);
    const struct zone *z = known(name, false);
    z = z ? z : keep(fixed(name, seconds, abbreviation));
    pthread_mutex_unlock(&lock);
    return z;
}

const struct zone *zone_for_setting(const char *text)
{
    if (strlen(text) > NAME_MAX_)
        return NULL;
    const struct zone *z = of_hours(text);
    return z ? z : find(text, false);
}

const struct zone *zone_find(const char *s, size_t n)
{
    if (n == 0 || n > NAME_MAX_ || memchr(s, 0, n))
        return NULL;
    /* rows ask one after the other, mostly for the same */
    static _Thread_local char name[NAME_MAX_ + 1];
    static _Thread_local const struct zone *found;
    if (!found || strlen(name) != n || memcmp(name, s, n) != 0) {
        snprintf(name, sizeof(name), "%.*s", (int)n, s);
        found = find(name, true);
    }
    return found;
}

const char *zone_name(const struct zone *z)
{
    return z ? z->name : "UTC";
}

/* ---- all of them ---------------------------------------------------------------------------- */

struct zone_time zone_time(const struct zone *z, int64_t utc)
{
    static const struct offset greenwich = {.name = "UTC"};
    const struct offset *o = z ? offset_at(z, floor_div(utc, SECOND_US)) : &greenwich;
    return (struct zone_time){o->seconds, o->dst, o->name};
}

/* Abbreviations of clocks that are put forward. */
static const char *const summer[] = {
    "acdt", "acsst", "adt",  "aedt", "aesst",  "akdt",   "almst",  "awsst",  "azost",
    "bdst", "brst",  "bst",  "cadt", "cdt",    "cest",   "cetdst", "chadt",  "clst",
    "clt",  "easst", "east", "edt",  "eest",   "eetdst", "egst",   "fjst",   "fnst",
    "idt",  "kdt",   "kgst", "lhdt", "mdt",    "mest",   "mesz",   "metdst", "msd",
    "must", "ndt",   "nzdt", "pdt",  "pkst",   "pmdt",   "pyst",   "sadt",   "ulast",
    "uyst", "uzst",  "wadt", "wdt",  "wetdst", "wgst",   "yekst"};

bool zone_word(size_t i, struct zone_time *ret)
{
    if (i >= ARRAY_LEN(abbreviations))
        return false;
    *ret = (struct zone_time){abbreviations[i].minutes * 60, false, abbreviations[i].name};
    for (size_t k = 0; k < ARRAY_LEN(summer) && !ret->dst; k++)
        ret->dst = strcmp(summer[k], ret->abbreviation) == 0;
    return true;
}

typedef struct error *visit_fn(void *ctx, const struct zone *z);

static struct error *walk(const char *folder, visit_fn *visit, void *ctx)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), DIRECTORY "/%s", folder);
    DIR *d = opendir(path);
    const struct dirent *entry;
    struct error *e = NULL;
    while (!e && d && (entry = readdir(d))) {
        char name[NAME_MAX_ + 1]; /* it ends circles of links */
        int n = snprintf(name, sizeof(name), "%s%s%s", folder, *folder ? "/" : "", entry->d_name);
        struct stat st;
        snprintf(path, sizeof(path), DIRECTORY "/%s", name);
        if (*entry->d_name == '.' || n >= (int)sizeof(name) || stat(path, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            e = walk(name, visit, ctx);
            continue;
        }
        struct zone *z = load(name);
        e = z ? visit(ctx, z) : NULL;
        zone_free(z);
    }
    if (d)
        closedir(d);
    return e;
}

struct error *zone_each(visit_fn *visit, void *ctx)
{
    return walk("", visit, ctx);
}
