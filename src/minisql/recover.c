/*
 * minisql recover: after a disaster, what only the operator can decide.
 *
 *   recover region N                          shows what is left of it, and where
 *   recover region N --from SERVER --accept-data-loss
 *                                             the copy there becomes the primary, as it is
 *   recover region N --rebuild SERVER         the copy there is thrown away and made anew
 *   recover inventory, recover store          recover_store.c
 *
 * Bringing up a copy is refused while any member of the region is whole: that one serves, or takes
 * over by itself. Else the server takes its copy as it is (FSCK adopt: a mark of damage goes, and
 * log entries that don't follow the file), and the region's record names it as the only member,
 * under an epoch above any that is known: so whatever else comes back has to follow it.
 */
#include "minisql/fsck_int.h"

#include <stdio.h>
#include <time.h>

enum { ADOPT_MS = 30000, SETTLE_MS = 15000 };

/* The cluster as it is, or an error. */
static struct error *gather(struct fsck *c)
{
    TRY(ask_records(c));
    ask_holders(c);
    return NULL;
}

static struct error *find_region(struct fsck *c, const char *word, const struct region **ret)
{
    char *end;
    uint64_t id = strtoull(word, &end, 10);
    *ret = *end ? NULL : fsck_region(c, id);
    return *ret ? NULL
                : error_hint(error_new(E_UNDEFINED_OBJECT, "there is no region \"%s\"", word),
                             "minisql regions lists them; minisql fsck names records that are "
                             "lost.");
}

static const char usage[] =
    "usage: minisql recover region N [--from SERVER --accept-data-loss | --rebuild SERVER]\n"
    "       minisql recover inventory --data DIR\n"
    "       minisql recover store --coord URL [--accept-data-loss] [--dry-run]\n"
    "                             {--data DIR | INVENTORY}..";

/* ---- one copy anew -------------------------------------------------------------------------- */

static struct error *rebuild(struct fsck *c, const struct region *r, const char *server)
{
    const struct holder *h = fsck_holder(c, server);
    if (!h || !h->conn)
        return error_new(E_CONNECTION, "server %s does not answer", server);
    struct repair repair = {.kind = REPAIR_REBUILD, .server = server, .region = r->id};
    for (int i = 0; i < r->n_backups && strcmp(r->primary, server) == 0; i++)
        repair.other = fsck_holder(c, r->backups[i]) ? r->backups[i] : repair.other;
    if (strcmp(r->primary, server) != 0)
        repair.other = r->primary;
    if (!repair.other || !fsck_holder(c, repair.other))
        return error_hint(error_new("55000",
                                    "there is no other copy of region %llu to make it from",
                                    (unsigned long long)r->id),
                          "Start the servers that have one.");
    TRY(fsck_repair_one(c, &repair));
    fprintf(c->s->out, "The copy at %s is being made anew; minisql regions shows it.\n", server);
    return NULL;
}

/* ---- what is left --------------------------------------------------------------------------- */

static bool is_voter(const struct region *r, const char *server)
{
    bool is = strcmp(r->primary, server) == 0;
    for (int i = 0; i < r->n_backups; i++)
        is |= strcmp(r->backups[i], server) == 0;
    return is;
}

static bool is_whole(const json_t *copy)
{
    return json_flag(copy, "file") && !json_flag(copy, "stray") && !json_flag(copy, "rebuild") &&
           !*json_text(copy, "error");
}

static const char *state_of(const struct region *r, const char *server, const json_t *copy)
{
    if (!json_flag(copy, "file"))
        return "no file";
    if (json_flag(copy, "rebuild"))
        return "damaged";
    if (*json_text(copy, "error"))
        return "stopped by an error";
    return is_voter(r, server) ? "member" : "former copy";
}

static const char *note_of(struct fsck *c, const char *server)
{
    const struct holder *h = fsck_holder(c, server);
    return h && h->conn ? "" : " (not up)";
}

static void print_candidates(struct fsck *c, const struct region *r)
{
    FILE *out = c->s->out;
    fprintf(out, "%s: epoch %llu, primary %s%s\n", fsck_region_name(c, r->id),
            (unsigned long long)r->epoch, r->primary, note_of(c, r->primary));
    for (int i = 0; i < r->n_backups; i++)
        fprintf(out, "  backup %s%s\n", r->backups[i], note_of(c, r->backups[i]));
    fprintf(out, "%-12s %-20s %8s %10s %10s  %s\n", "server", "copy", "epoch", "lsn", "log to",
            "last write");
    for (size_t i = 0; i < c->n_holders; i++) {
        const struct holder *h = &c->holders[i];
        const json_t *copy = holder_copy(h, r->id);
        if (!copy)
            continue;
        time_t modified = (time_t)json_number(copy, "modified");
        struct tm tm;
        char when[32] = "-";
        if (modified)
            strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime_r(&modified, &tm));
        fprintf(out, "%-12s %-20s %8llu %10llu %10llu  %s\n", h->name, state_of(r, h->name, copy),
                (unsigned long long)MAX(json_number(copy, "epoch"), json_number(copy, "log_epoch")),
                (unsigned long long)json_number(copy, "lsn"),
                (unsigned long long)json_number(copy, "log_last"), when);
    }
}

/* A member that serves or will by itself; NULL: none. */
static const char *healthy_member(struct fsck *c, const struct region *r)
{
    for (size_t i = 0; i < c->n_holders; i++) {
        const json_t *copy = holder_copy(&c->holders[i], r->id);
        if (copy && is_voter(r, c->holders[i].name) && is_whole(copy))
            return c->holders[i].name;
    }
    return NULL;
}

/* ---- bringing it up ------------------------------------------------------------------------- */

static uint64_t highest_epoch(struct fsck *c, const struct region *r)
{
    uint64_t epoch = r->epoch;
    for (size_t i = 0; i < c->n_holders; i++) {
        const json_t *copy = holder_copy(&c->holders[i], r->id);
        epoch = MAX(epoch, json_number(copy, "epoch"));
        epoch = MAX(epoch, json_number(copy, "log_epoch"));
        epoch = MAX(epoch, json_number(json_object_get(copy, "config"), "epoch"));
    }
    return epoch;
}

static void add_former(struct region *next, char *name)
{
    for (int i = 0; i < next->n_former; i++)
        if (strcmp(next->former[i], name) == 0)
            return;
    if (strcmp(name, next->primary) != 0 && next->n_former < CATALOG_MAX_COPIES)
        next->former[next->n_former++] = name;
}

/* Its only member is the server; all others that were named before may come back. */
static struct error *write_region(struct fsck *c, const struct region *r, const char *server)
{
    struct region next = {.id = r->id,
                          .epoch = highest_epoch(c, r) + 1,
                          .schema_version = r->schema_version,
                          .copies = r->copies,
                          .primary = arena_strdup(&c->arena, server)};
    add_former(&next, r->primary);
    for (int i = 0; i < r->n_backups; i++)
        add_former(&next, r->backups[i]);
    for (int i = 0; i < r->n_former; i++)
        add_former(&next, r->former[i]);
    _cleanup_(mem_freep) char *key = catalog_id_key(CATALOG_REGION, r->id);
    _cleanup_(mem_freep) char *text = NULL;
    TRY(catalog_region_text(&next, &text));
    struct repair repair = {.kind = REPAIR_PUT,
                            .key = key,
                            .value = text,
                            .revision = fsck_record(c, key)->kv->mod_revision};
    return fsck_repair_one(c, &repair);
}

static struct error *adopt(const struct holder *h, uint64_t region)
{
    _cleanup_(mem_freep) char *text = mem_printf("FSCK adopt %llu", (unsigned long long)region);
    return ask_run(h->conn, text, ADOPT_MS, NULL, NULL, NULL);
}

static bool serves(struct session *s, const char *word, const char *server)
{
    struct fsck c = {.s = s};
    struct error *e = gather(&c);
    const struct holder *h = e ? NULL : fsck_holder(&c, server);
    bool is = h && json_flag(holder_copy(h, strtoull(word, NULL, 10)), "serving");
    error_free(e);
    fsck_done(&c);
    return is;
}

static struct error *bring_up(struct fsck *c, const struct region *r, const char *word,
                              const char *server)
{
    const struct holder *h = fsck_holder(c, server);
    const char *healthy = healthy_member(c, r);
    if (healthy)
        return error_hint(error_new("55000",
                                    "server %s has a whole copy of region %llu and is a "
                                    "member",
                                    healthy, (unsigned long long)r->id),
                          "It serves, or takes over by itself within seconds. See minisql status.");
    if (!h || !h->conn)
        return error_new(E_CONNECTION, "server %s does not answer", server);
    if (!json_flag(holder_copy(h, r->id), "file"))
        return error_new(E_UNDEFINED_OBJECT, "server %s has no file of region %llu", server,
                         (unsigned long long)r->id);
    TRY(adopt(h, r->id));
    TRY(write_region(c, r, server));
    uint64_t deadline = clock_ms() + SETTLE_MS;
    while (!serves(c->s, word, server))
        if (clock_ms() >= deadline)
            return error_hint(
                error_new(E_UNAVAILABLE, "server %s does not serve the region yet", server),
                "See its log.");
        else
            sleep_ms(200);
    fprintf(c->s->out,
            "Server %s serves region %llu. Run minisql fsck, and look at what the data "
            "lacks.\n",
            server, (unsigned long long)r->id);
    return NULL;
}

struct wish {
    const char *region, *from, *rebuild;
    bool accept;
};

static struct error *act(struct fsck *c, const struct wish *w)
{
    const struct region *r;
    TRY(gather(c));
    TRY(find_region(c, w->region, &r));
    if (w->rebuild)
        return rebuild(c, r, w->rebuild);
    print_candidates(c, r);
    if (!w->from)
        return NULL;
    if (!w->accept)
        return error_hint(error_new("55000", "writes that only other copies have will be lost"),
                          "If that is so be it, add --accept-data-loss.");
    return bring_up(c, r, w->region, w->from);
}

int recover_region(struct session *s, char **words, int n)
{
    struct wish w = {.region = n ? words[0] : ""};
    for (int i = 1; i < n; i++) {
        if (strcmp(words[i], "--accept-data-loss") == 0)
            w.accept = true;
        else if (strcmp(words[i], "--from") == 0 && i + 1 < n)
            w.from = words[++i];
        else if (strcmp(words[i], "--rebuild") == 0 && i + 1 < n)
            w.rebuild = words[++i];
        else
            n = 0;
    }
    if (!n || (w.from && w.rebuild)) {
        minisql__complain(s, "%s", usage);
        return EXIT_NOT_CHECKED;
    }
    struct fsck c = {.s = s};
    struct error *e = act(&c, &w);
    bool failed = e != NULL;
    if (e)
        complain_error(s, e);
    fsck_done(&c);
    return failed ? EXIT_LEFT : EXIT_CLEAN;
}

int minisql__recover(struct session *s)
{
    static const struct {
        const char *word;
        int (*run)(struct session *s, char **words, int n);
    } commands[] = {
        {"region", recover_region}, {"inventory", recover_inventory}, {"store", recover_store}};
    char **words = s->options.command;
    for (size_t i = 0; i < ARRAY_LEN(commands) && s->options.n_command > 1; i++)
        if (strcmp(words[1], commands[i].word) == 0)
            return commands[i].run(s, words + 2, s->options.n_command - 2);
    minisql__complain(s, "%s", usage);
    return EXIT_NOT_CHECKED;
}
