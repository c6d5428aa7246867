/*
 * minisql fsck: is what the coordination store says true, and are the copies of each region alike?
 *
 * A cluster that runs changes while it is looked at: a region moves, a table is created. So what
 * the first pass finds is looked for a second time, and only what both find is told. Contents need
 * no such care: they are compared as of one lsn.
 *
 * Ends with 0: nothing found; 1: found and repaired; 2: something is left; 3: could not check.
 * Notes don't count.
 */
#include "minisql/fsck_int.h"

#include <stdio.h>
#include <unistd.h>

enum { BETWEEN_PASSES_MS = 1000, BAR_WIDTH = 30 };

struct wish {
    bool repair;
    char **dirs; /* --data; offline */
    int n_dirs;
};

/* ---- findings ------------------------------------------------------------------------------- */

struct finding *fsck_add(struct fsck *c, enum severity severity, const char *code,
                         const char *format, ...)
{
    va_list ap;
    _cleanup_(buf_done) struct buf text = {0};
    va_start(ap, format);
    buf_vprintf(&text, format, ap);
    va_end(ap);
    if (c->n_findings == c->cap_findings) {
        c->cap_findings = MAX(c->cap_findings * 2, (size_t)16);
        c->findings = mem_realloc(c->findings, c->cap_findings * sizeof(*c->findings));
    }
    struct finding *f = &c->findings[c->n_findings++];
    *f = (struct finding){
        .severity = severity, .code = code, .text = arena_strdup(&c->arena, text.data)};
    return f;
}

void fsck_done(struct fsck *c)
{
    for (size_t i = 0; i < c->n_records; i++)
        catalog_record_free(c->records[i].parsed);
    for (size_t i = 0; i < c->n_holders; i++) {
        PQfinish(c->holders[i].conn);
        json_decref(c->holders[i].copies);
        json_decref(c->holders[i].catalog);
    }
    mem_free(c->holders);
    mem_free(c->findings);
    coord_list_done(&c->list);
    arena_done(&c->arena);
    *c = (struct fsck){.s = c->s};
}

/* ---- looking things up ---------------------------------------------------------------------- */

struct holder *fsck_holder(struct fsck *c, const char *name)
{
    for (size_t i = 0; i < c->n_holders; i++)
        if (strcmp(c->holders[i].name, name) == 0)
            return &c->holders[i];
    return NULL;
}

struct holder *fsck_add_holder(struct fsck *c, const char *name, const char *where)
{
    c->holders = mem_realloc(c->holders, (c->n_holders + 1) * sizeof(*c->holders));
    struct holder *h = &c->holders[c->n_holders++];
    *h = (struct holder){.name = arena_strdup(&c->arena, name),
                         .where = arena_strdup(&c->arena, where)};
    return h;
}

json_t *holder_copy(const struct holder *h, uint64_t region)
{
    char key[24];
    snprintf(key, sizeof(key), "%llu", (unsigned long long)region);
    return json_object_get(h->copies, key);
}

/* The store lists by key. */
const struct record *fsck_record(struct fsck *c, const char *key)
{
    size_t low = 0, high = c->n_records;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(c->records[middle].kv->key, key);
        if (order == 0)
            return &c->records[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static const void *by_id(struct fsck *c, enum catalog_kind kind, uint64_t id)
{
    _cleanup_(mem_freep) char *key = catalog_id_key(kind, id);
    const struct record *r = fsck_record(c, key);
    return r ? r->parsed : NULL;
}

const struct table *fsck_table(struct fsck *c, uint64_t id)
{
    return by_id(c, CATALOG_TABLE, id);
}

const struct region *fsck_region(struct fsck *c, uint64_t id)
{
    return by_id(c, CATALOG_REGION, id);
}

const char *fsck_region_name(struct fsck *c, uint64_t id)
{
    _cleanup_(buf_done) struct buf b = {0};
    buf_printf(&b, "region %llu", (unsigned long long)id);
    int n = 0;
    for (size_t i = 0; i < c->n_records; i++) {
        const struct table *t = c->records[i].kind == CATALOG_TABLE ? c->records[i].parsed : NULL;
        if (t && t->region == id && n++ < 3)
            buf_printf(&b, "%s%s", n == 1 ? " (" : ", ", t->name);
    }
    buf_puts(&b, n > 3 ? ", ..)" : n ? ")" : "");
    return arena_strdup(&c->arena, b.data);
}

/* ---- the terminal --------------------------------------------------------------------------- */

void fsck_progress(const char *what, size_t done, size_t total)
{
    static uint64_t drawn_ms;
    if (!isatty(STDERR_FILENO) || !total)
        return;
    if (done == total) {
        fprintf(stderr, "\r%*s\r", BAR_WIDTH + 40, "");
        return;
    }
    if (done && clock_ms() - drawn_ms < 100)
        return;
    drawn_ms = clock_ms();
    char bar[BAR_WIDTH + 1];
    size_t filled = done * BAR_WIDTH / total;
    memset(bar, '#', filled);
    memset(bar + filled, '.', BAR_WIDTH - filled);
    bar[BAR_WIDTH] = 0;
    fprintf(stderr, "\r[%s] %zu of %zu %s ", bar, done, total, what);
}

void complain_error(struct session *s, struct error *e)
{
    minisql__complain(s, "minisql: %s", e->message);
    if (e->detail)
        minisql__complain(s, "DETAIL:  %s", e->detail);
    if (e->hint)
        minisql__complain(s, "HINT:  %s", e->hint);
    error_free(e);
}

static void print_finding(struct fsck *c, const struct finding *f, FILE *out)
{
    fputs("  ", out);
    if (f->region)
        fprintf(out, "%s%s", fsck_region_name(c, f->region), f->server ? ", " : ": ");
    if (f->server)
        fprintf(out, "server %s: ", f->server);
    fprintf(out, "%s [%s]\n", f->text, f->code);
    if (f->outcome)
        fprintf(out, "      %s%s\n", f->repaired ? "repaired: " : "", f->outcome);
    else if (f->repair.kind != REPAIR_NONE)
        fputs("      --repair mends this\n", out);
    else if (f->advice)
        fprintf(out, "      %s\n", f->advice);
}

static void print_report(struct fsck *c)
{
    static const char *const titles[] = {"Notes", "Warnings", "Errors"};
    FILE *out = c->s->out;
    for (int severity = SEVERITY_ERROR; severity >= SEVERITY_NOTE; severity--) {
        size_t n = 0;
        for (size_t i = 0; i < c->n_findings; i++) {
            if ((int)c->findings[i].severity != severity)
                continue;
            if (!n++)
                fprintf(out, "%s:\n", titles[severity]);
            print_finding(c, &c->findings[i], out);
        }
        if (n)
            fputc('\n', out);
    }
    fprintf(out, "%zu regions with %zu copies at %zu %s were checked: ", c->n_regions, c->n_copies,
            c->n_holders, c->n_records ? "servers" : "data directories");
}

static void print_sum(struct fsck *c, size_t repaired, size_t left)
{
    FILE *out = c->s->out;
    if (!repaired && !left)
        fputs("all is well.\n", out);
    else
        fprintf(out, "%zu repaired, %zu left.\n", repaired, left);
}

static const char *severity_name(const struct finding *f)
{
    static const char *const names[] = {"note", "warning", "error"};
    return names[f->severity];
}

static void print_json(struct fsck *c, size_t repaired, size_t left)
{
    json_t *findings = json_array();
    for (size_t i = 0; i < c->n_findings; i++) {
        const struct finding *f = &c->findings[i];
        json_array_append_new(
            findings, json_pack("{s:s, s:s, s:I, s:s*, s:s, s:s*, s:b, s:s*, s:b}", "severity",
                                severity_name(f), "code", f->code, "region", (json_int_t)f->region,
                                "server", f->server, "text", f->text, "advice", f->advice,
                                "repairable", f->repair.kind != REPAIR_NONE, "outcome", f->outcome,
                                "repaired", (int)f->repaired));
    }
    json_t *report =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "regions", (json_int_t)c->n_regions, "copies",
                  (json_int_t)c->n_copies, "servers", (json_int_t)c->n_holders, "repaired",
                  (json_int_t)repaired, "left", (json_int_t)left, "findings", findings);
    json_dumpf(report, c->s->out, JSON_INDENT(1));
    fputc('\n', c->s->out);
    json_decref(report);
}

static int report(struct fsck *c)
{
    size_t repaired = 0, left = 0;
    for (size_t i = 0; i < c->n_findings; i++) {
        const struct finding *f = &c->findings[i];
        repaired += f->repaired;
        left += !f->repaired && f->severity != SEVERITY_NOTE;
    }
    if (c->s->style.format == MINISQL_JSON) {
        print_json(c, repaired, left);
    } else {
        print_report(c);
        print_sum(c, repaired, left);
    }
    return left ? EXIT_LEFT : repaired ? EXIT_REPAIRED : EXIT_CLEAN;
}

/* ---- passes --------------------------------------------------------------------------------- */

static struct error *pass(struct fsck *c)
{
    TRY(ask_records(c));
    ask_holders(c);
    fsck_store(c);
    fsck_copies(c);
    fsck_contents(c);
    return NULL;
}

static bool found_by(const struct fsck *c, const struct finding *f)
{
    for (size_t i = 0; i < c->n_findings; i++) {
        const struct finding *g = &c->findings[i];
        if (strcmp(f->code, g->code) == 0 && f->region == g->region &&
            strcmp(f->text, g->text) == 0 &&
            strcmp(f->server ? f->server : "", g->server ? g->server : "") == 0)
            return true;
    }
    return false;
}

/* Looks again, and keeps what was there both times. */
static struct error *confirm(struct fsck *c)
{
    struct fsck first = *c;
    sleep_ms(BETWEEN_PASSES_MS);
    *c = (struct fsck){.s = first.s};
    struct error *e = pass(c);
    size_t kept = 0;
    for (size_t i = 0; i < c->n_findings; i++)
        if (found_by(&first, &c->findings[i]))
            c->findings[kept++] = c->findings[i];
    c->n_findings = kept;
    fsck_done(&first);
    return e;
}

static int check_cluster(struct session *s, const struct wish *w)
{
    struct fsck c = {.s = s};
    struct error *e = pass(&c);
    if (!e && c.n_findings)
        e = confirm(&c);
    int status = EXIT_NOT_CHECKED;
    if (e) {
        complain_error(s, e);
    } else {
        bool pending = fsck_record(&c, catalog_single_key(CATALOG_CHANGING)) != NULL;
        if (w->repair && !pending) /* else what seems wrong may be what it is about to put right */
            fsck_repair(&c);
        status = report(&c);
    }
    fsck_done(&c);
    return status;
}

static int check_directories(struct session *s, const struct wish *w)
{
    struct fsck c = {.s = s};
    struct error *e = NULL;
    for (int i = 0; i < w->n_dirs && !e; i++) {
        struct holder *h;
        uint64_t cluster;
        e = data_read(&c, w->dirs[i], true, &h, &cluster);
    }
    int status = EXIT_NOT_CHECKED;
    if (e) {
        complain_error(s, e);
    } else {
        fsck_data(&c);
        status = report(&c);
    }
    fsck_done(&c);
    return status;
}

/* ---- the command ---------------------------------------------------------------------------- */

static bool take_words(struct session *s, struct wish *w)
{
    char **words = s->options.command;
    w->dirs = words; /* filled from the front, never ahead of what is read */
    for (int i = 1; i < s->options.n_command; i++) {
        if (strcmp(words[i], "--repair") == 0)
            w->repair = true;
        else if (strcmp(words[i], "--json") == 0)
            s->style.format = MINISQL_JSON;
        else if (strcmp(words[i], "--data") == 0 && i + 1 < s->options.n_command)
            w->dirs[w->n_dirs++] = words[++i];
        else
            return false;
    }
    return !(w->repair && w->n_dirs);
}

int minisql__fsck(struct session *s)
{
    struct wish w = {0};
    if (!take_words(s, &w)) {
        minisql__complain(s, "usage: minisql fsck [--repair] [--json]\n"
                             "       minisql fsck --data DIR [--data DIR].. [--json]");
        return EXIT_NOT_CHECKED;
    }
    return w.n_dirs ? check_directories(s, &w) : check_cluster(s, &w);
}
