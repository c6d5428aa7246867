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
enum { FILE_MAX = 1 << 20, NAME_MAX_ = 255, ABBREVIATION = 12 };

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
        for (end = s; isalpha((unsigned char)*end); end++)
            ;
        *p = end;
    }
    if (end - s < 1 || end - s >= ABBREVIATION)
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

/* std offset [dst [offset] , start [/time] , end [/time]]; offsets are west of Greenwich there. */
static bool parse_rule(const char *s, struct zone *z)
{
    int32_t west;
    if (*s != '+' && *s != '-' && !isdigit((unsigned char)*s) &&
        !take_name(&s, z->std.name)) /* "+03" has no name, and lies in the west */
        return false;
    if (!take_hours(&s, 24, &west))
        return false;
    z->has_rule = true;
    z->std.seconds = -west;
    if (!*s)
        return true;
    if (!take_name(&s, z->dst.name))
        return false;
    z->dst.seconds = z->std.seconds + 3600;
    z->dst.dst = true;
    if (*s != ',') {
        if (!take_hours(&s, 24, &west))
            return false;
        z->dst.seconds = -west;
    }
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

int32_t types__zone_offset(const struct zone *z, int64_t utc)
{
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
    if (!read_header(&r, &c, &version) || !read_block(&r, &c, z))
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
static const struct {
    const char *name;
    int16_t minutes;
    bool dst;
} abbreviations[] = {
    {"acdt", 630, true},   {"acsst", 630, true},  {"acst", 570, false},  {"act", -300, false},
    {"acwst", 525, false}, {"adt", -180, true},   {"aedt", 660, true},   {"aesst", 660, true},
    {"aest", 600, false},  {"aft", 270, false},   {"akdt", -480, true},  {"akst", -540, false},
    {"almst", 420, true},  {"almt", 360, false},  {"amst", 240, false},  {"amt", -240, false},
    {"anast", 720, false}, {"anat", 720, false},  {"arst", -180, false}, {"art", -180, false},
    {"ast", -240, false},  {"awsst", 540, true},  {"awst", 480, false},  {"azost", 0, true},
    {"azot", -60, false},  {"azst", 240, false},  {"azt", 240, false},   {"bdst", 120, true},
    {"bdt", 360, false},   {"bnt", 480, false},   {"bort", 480, false},  {"bot", -240, false},
    {"bra", -180, false},  {"brst", -120, true},  {"brt", -180, false},  {"bst", 60, true},
    {"btt", 360, false},   {"cadt", 630, true},   {"cast", 570, false},  {"cct", 480, false},
    {"cdt", -300, true},   {"cest", 120, true},   {"cet", 60, false},    {"cetdst", 120, true},
    {"chadt", 825, true},  {"chast", 765, false}, {"chut", 600, false},  {"ckt", -600, false},
    {"clst", -180, true},  {"clt", -180, true},   {"cot", -300, false},  {"cst", -360, false},
    {"cxt", 420, false},   {"davt", 420, false},  {"ddut", 600, false},  {"easst", -300, true},
    {"east", -300, true},  {"eat", 180, false},   {"edt", -240, true},   {"eest", 180, true},
    {"eet", 120, false},   {"eetdst", 180, true}, {"egst", 0, true},     {"egt", -60, false},
    {"est", -300, false},  {"fet", 180, false},   {"fjst", 780, true},   {"fjt", 720, false},
    {"fkst", -180, false}, {"fkt", -180, false},  {"fnst", -60, true},   {"fnt", -120, false},
    {"galt", -360, false}, {"gamt", -540, false}, {"gest", 240, false},  {"get", 240, false},
    {"gft", -180, false},  {"gilt", 720, false},  {"gmt", 0, false},     {"gyt", -240, false},
    {"hkt", 480, false},   {"hst", -600, false},  {"ict", 420, false},   {"idt", 180, true},
    {"iot", 360, false},   {"irkst", 480, false}, {"irkt", 480, false},  {"irt", 210, false},
    {"ist", 120, false},   {"jayt", 540, false},  {"jst", 540, false},   {"kdt", 600, true},
    {"kgst", 360, true},   {"kgt", 360, false},   {"kost", 660, false},  {"krast", 420, false},
    {"krat", 420, false},  {"kst", 540, false},   {"lhdt", 660, true},   {"lhst", 630, false},
    {"ligt", 600, false},  {"lint", 840, false},  {"lkt", 330, false},   {"magst", 660, false},
    {"magt", 660, false},  {"mart", -570, false}, {"mawt", 300, false},  {"mdt", -360, true},
    {"mest", 120, true},   {"mesz", 120, true},   {"met", 60, false},    {"metdst", 120, true},
    {"mez", 60, false},    {"mht", 720, false},   {"mmt", 390, false},   {"mpt", 600, false},
    {"msd", 240, true},    {"msk", 180, false},   {"mst", -420, false},  {"must", 300, true},
    {"mut", 240, false},   {"mvt", 300, false},   {"myt", 480, false},   {"ndt", -150, true},
    {"nft", -210, false},  {"novst", 420, false}, {"novt", 420, false},  {"npt", 345, false},
    {"nst", -210, false},  {"nut", -660, false},  {"nzdt", 780, true},   {"nzst", 720, false},
    {"nzt", 720, false},   {"omsst", 360, false}, {"omst", 360, false},  {"pdt", -420, true},
    {"pet", -300, false},  {"petst", 720, false}, {"pett", 720, false},  {"pgt", 600, false},
    {"pht", 480, false},   {"pkst", 360, true},   {"pkt", 300, false},   {"pmdt", -120, true},
    {"pmst", -180, false}, {"pont", 660, false},  {"pst", -480, false},  {"pwt", 540, false},
    {"pyst", -180, true},  {"pyt", -180, false},  {"ret", 240, false},   {"sadt", 630, true},
    {"sast", 120, false},  {"sct", 240, false},   {"sgt", 480, false},   {"taht", -600, false},
    {"tft", 300, false},   {"tjt", 300, false},   {"tkt", 780, false},   {"tmt", 300, false},
    {"tot", 780, false},   {"trut", 600, false},  {"tvt", 720, false},   {"uct", 0, false},
    {"ulast", 540, true},  {"ulat", 480, false},  {"ut", 0, false},      {"utc", 0, false},
    {"uyst", -120, true},  {"uyt", -180, false},  {"uzst", 360, true},   {"uzt", 300, false},
    {"vet", -240, false},  {"vlast", 600, false}, {"vlat", 600, false},  {"volt", 180, false},
    {"vut", 660, false},   {"wadt", 480, true},   {"wakt", 720, false},  {"wast", 420, false},
    {"wat", 60, false},    {"wdt", 540, true},    {"wet", 0, false},     {"wetdst", 60, true},
    {"wft", 720, false},   {"wgst", -120, true},  {"wgt", -180, false},  {"xjt", 360, false},
    {"yakst", 540, false}, {"yakt", 540, false},  {"yapt", 600, false},  {"yekst", 360, true},
    {"yekt", 300, false},  {"z", 0, false},       {"zulu", 0, false},
};

bool types__zone_word(const char *s, size_t n, int32_t *ret_seconds)
{
    size_t low = 0, high = ARRAY_LEN(abbreviations);
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *name = abbreviations[middle].name;
        int order = strncasecmp(s, name, n);
        if (order == 0 && !name[n]) {
            *ret_seconds = abbreviations[middle].minutes * 60;
            return true;
        }
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static struct zone *fixed(const char *name, int32_t seconds, const char *abbreviation)
{
    struct zone *z = mem_zalloc(sizeof(*z));
    z->name = mem_strdup(name);
    z->std.seconds = seconds;
    snprintf(z->std.name, sizeof(z->std.name), "%s", abbreviation);
    return z;
}

static struct zone *of_abbreviation(const char *name)
{
    int32_t seconds;
    char upper[ABBREVIATION] = {0};
    if (!types__zone_word(name, strlen(name), &seconds))
        return NULL;
    for (size_t i = 0; name[i] && i < sizeof(upper) - 1; i++)
        upper[i] = (char)toupper((unsigned char)name[i]);
    return fixed(upper, seconds, upper);
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

static const struct zone *known(const char *name)
{
    for (const struct zone *z = zones; z; z = z->next)
        if (strcmp(z->name, name) == 0)
            return z;
    return NULL;
}

/* Takes z; gives the one that is kept under its name. */
static const struct zone *keep(struct zone *z)
{
    const struct zone *old = z ? known(z->name) : NULL;
    if (old || !z || n_zones >= MAX_ZONES) {
        zone_free(z);
        return old;
    }
    n_zones++;
    z->next = zones;
    zones = z;
    return z;
}

static const struct zone *find(const char *name, bool abbreviation_first)
{
    pthread_mutex_lock(&lock);
    const struct zone *z = abbreviation_first ? keep(of_abbreviation(name)) : NULL;
    z = z ? z : known(name);
    z = z ? z : keep(of_file(name));
    z = z ? z : keep(of_rule(name));
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
    const struct zone *z = known(name);
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
