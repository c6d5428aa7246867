/*
 * The records against what servers have on disk, and the copies of a region against each other.
 *
 * fsck_copies compares what is cheap to ask: which server has a file, log entries, which role it
 * plays, which schema its file has. fsck_contents reads every copy: SQLite's own checks, tables and
 * indexes against the records, and the rows of all copies as of one lsn, which the backups are held
 * at (src/region/inspect.c).
 */
#include "minisql/fsck_int.h"

#include <stdio.h>

enum { LOOK_MS = 20000, CONTENTS_MS = 3600 * 1000, TRIES = 5 };

static const json_t *member(const json_t *o, const char *name)
{
    return json_object_get(o, name);
}

static bool is_voter(const struct region *r, const char *server)
{
    bool is = strcmp(r->primary, server) == 0;
    for (int i = 0; i < r->n_backups; i++)
        is |= strcmp(r->backups[i], server) == 0;
    return is;
}

static bool is_member(const struct region *r, const char *server)
{
    bool is = is_voter(r, server);
    for (int i = 0; i < r->n_learners; i++)
        is |= strcmp(r->learners[i], server) == 0;
    return is;
}

static struct finding *add(struct fsck *c, enum severity severity, const char *code,
                           uint64_t region, const char *server, const char *text)
{
    struct finding *f = fsck_add(c, severity, code, "%s", text);
    f->region = region;
    f->server = server;
    return f;
}

/* ---- rebuilding ----------------------------------------------------------------------------- */

static bool is_whole(const json_t *copy)
{
    return json_flag(copy, "file") && !*json_text(copy, "error") && !json_flag(copy, "rebuild");
}

/* The copy at `server` may be thrown away where another voter has one that is whole. */
static void repair_rebuild(struct fsck *c, struct finding *f)
{
    const struct region *r = fsck_region(c, f->region);
    const char *good = NULL;
    if (r && strcmp(r->primary, f->server) != 0) {
        const struct holder *h = fsck_holder(c, r->primary);
        good = h && is_whole(holder_copy(h, r->id)) ? r->primary : NULL;
    }
    for (int i = 0; r && !good && i < r->n_backups; i++) {
        const struct holder *h = fsck_holder(c, r->backups[i]);
        if (strcmp(r->primary, f->server) == 0 && h && is_whole(holder_copy(h, r->id)))
            good = r->backups[i];
    }
    if (good)
        f->repair = (struct repair){
            .kind = REPAIR_REBUILD, .server = f->server, .other = good, .region = f->region};
    else
        f->advice = "No other copy is known to be whole: see minisql recover region.";
}

/* ---- what servers say of their copies ------------------------------------------------------- */

/* The store was set back to an older state, or made anew from files whose log held more. The files
 * are right: tables that the store does not know come back below (found_unknown). */
static void schema_ahead(struct fsck *c, const struct holder *h, const struct region *r,
                         uint64_t version)
{
    struct finding *f = add(c, SEVERITY_ERROR, "schema-ahead", r->id, h->name,
                            "the copy has a newer schema than the region's record");
    _cleanup_(mem_freep) char *key = catalog_id_key(CATALOG_REGION, r->id);
    _cleanup_(mem_freep) char *text = NULL;
    struct region next = *r;
    next.schema_version = version;
    struct error *e = catalog_region_text(&next, &text);
    if (!e)
        f->repair = (struct repair){.kind = REPAIR_PUT,
                                    .key = arena_strdup(&c->arena, key),
                                    .value = arena_strdup(&c->arena, text),
                                    .revision = fsck_record(c, key)->kv->mod_revision};
    error_free(e);
}

static void copy_stopped(struct fsck *c, const struct holder *h, uint64_t id, const json_t *copy)
{
    add(c, SEVERITY_ERROR, "copy-stopped", id, h->name,
        arena_printf(&c->arena, "the copy stopped: %s", json_text(copy, "error")))
        ->advice = "Mend the disk, then restart that server.";
}

static void check_replica(struct fsck *c, const struct holder *h, const struct region *r,
                          const json_t *copy)
{
    const char *role = json_text(copy, "role");
    if (!json_flag(copy, "file"))
        repair_rebuild(c, add(c, SEVERITY_ERROR, "file-missing", r->id, h->name,
                              "the copy's file is gone from the disk"));
    if (*json_text(copy, "error"))
        copy_stopped(c, h, r->id, copy);
    if (json_flag(copy, "rebuild"))
        add(c, SEVERITY_NOTE, "copy-in-making", r->id, h->name,
            "the copy is damaged and waits to be made anew");
    else if (is_voter(r, h->name) && json_number(copy, "schema_version") < r->schema_version)
        add(c, SEVERITY_WARNING, "schema-behind", r->id, h->name,
            "the copy has not got the newest schema")
            ->advice = "A primary brings it there within moments: see that server's log.";
    else if (json_number(copy, "schema_version") > r->schema_version)
        schema_ahead(c, h, r, json_number(copy, "schema_version"));
    if (strcmp(role, "primary") == 0 && strcmp(r->primary, h->name) != 0)
        add(c, SEVERITY_WARNING, "primary-without-record", r->id, h->name,
            arena_printf(&c->arena, "the server takes itself for the primary, the record says %s",
                         r->primary));
    if (json_number(copy, "log_first") > json_number(copy, "lsn") + 1)
        repair_rebuild(c, add(c, SEVERITY_ERROR, "log-gap", r->id, h->name,
                              "the log begins behind where the file ends"));
}

static void check_stray(struct fsck *c, const struct holder *h, uint64_t id, const json_t *copy)
{
    const struct region *r = fsck_region(c, id);
    struct finding *f =
        add(c, SEVERITY_WARNING, "stray-file", id, h->name,
            json_flag(copy, "file") ? "a region's file lies there that the server does not use"
                                    : "the log holds entries of a region that the server has not");
    if (!r || !is_member(r, h->name))
        f->repair = (struct repair){.kind = REPAIR_ASIDE, .server = h->name, .region = id};
    else
        f->advice = "The server should use it: restart it.";
}

/* What its tables are, without reading them. */
static json_t *brief_contents(const struct holder *h, uint64_t region)
{
    char text[64];
    json_t *all = NULL;
    snprintf(text, sizeof(text), "FSCK look %llu", (unsigned long long)region);
    struct error *e = ask_run(h->conn, text, LOOK_MS, NULL, NULL, NULL);
    if (!e)
        e = ask_json(h->conn, "FSCK contents brief", LOOK_MS, &all);
    error_free(e);
    json_t *contents = all ? json_incref(json_array_get(all, 0)) : NULL;
    json_decref(all);
    return contents;
}

/* Does the store still know one of the tables in the copy's file, or has it never given out the
 * region's id (it was set back)? Then the region was not dropped: its record was lost. */
static bool is_known(struct fsck *c, uint64_t id, const json_t *contents)
{
    size_t i;
    json_t *t;
    const struct record *next = fsck_record(c, catalog_single_key(CATALOG_NEXT_ID));
    bool known = !next || id >= strtoull(next->kv->value, NULL, 10);
    json_array_foreach(member(contents, "tables"), i, t)
    {
        _cleanup_(mem_freep) char *key = catalog_id_key(CATALOG_TABLE, json_number(t, "id"));
        known |= fsck_record(c, key) != NULL;
        for (size_t k = 0; k < c->n_records; k++)
            known |= c->records[k].kind == CATALOG_NAME &&
                     strtoull(c->records[k].kv->value, NULL, 10) == json_number(t, "id");
    }
    return known;
}

static void found_without_record(struct fsck *c, const struct holder *h, uint64_t id)
{
    struct finding *f = add(c, SEVERITY_ERROR, "copy-without-record", id, h->name,
                            "the server has a copy of a region that has no readable record");
    f->advice = "None of its tables is known either: it was dropped. The server deletes the copy "
                "by itself, at its next start at the latest.";
    json_t *contents = brief_contents(h, id);
    if (json_flag(holder_copy(h, id), "lost") || is_known(c, id, contents)) {
        f->advice = "The region's record comes back with --repair.";
        _cleanup_(mem_freep) char *key = catalog_id_key(CATALOG_REGION, id);
        if (!fsck_record(c, key))
            f->repair = (struct repair){.kind = REPAIR_PUT,
                                        .key = arena_strdup(&c->arena, key),
                                        .value = fsck_region_text(c, id)};
    }
    json_decref(contents);
}

static void check_copy(struct fsck *c, const struct holder *h, const json_t *copy)
{
    uint64_t id = json_number(copy, "region");
    const struct region *r = fsck_region(c, id);
    c->n_copies++;
    if (json_flag(copy, "stray")) {
        check_stray(c, h, id, copy);
    } else if (!r) {
        found_without_record(c, h, id);
    } else if (is_member(r, h->name)) {
        check_replica(c, h, r, copy);
    } else if (*json_text(copy, "error")) {
        copy_stopped(c, h, id, copy);
    } else {
        add(c, SEVERITY_NOTE, "surplus-copy", id, h->name,
            "the server keeps a copy that the record does not count");
    }
}

static void check_member(struct fsck *c, const struct region *r, const char *server)
{
    const struct holder *h = fsck_holder(c, server);
    if (!h)
        add(c, SEVERITY_WARNING, "member-down", r->id, server, "a copy's server is not up")
            ->advice = "Start it. What it holds comes back with it.";
    else if (h->copies && !holder_copy(h, r->id))
        add(c, SEVERITY_ERROR, "copy-missing", r->id, server,
            "the record counts on a copy that the server has not")
            ->advice = "See that server's log, and restart it.";
}

void fsck_copies(struct fsck *c)
{
    for (size_t i = 0; i < c->n_holders; i++) {
        const struct holder *h = &c->holders[i];
        const char *key;
        json_t *copy;
        if (!h->copies) {
            add(c, SEVERITY_WARNING, "server-silent", 0, h->name,
                "the server is registered and does not answer")
                ->advice = h->silence;
            continue;
        }
        json_object_foreach(h->copies, key, copy) check_copy(c, h, copy);
    }
    for (size_t i = 0; i < c->n_records; i++) {
        const struct region *r = c->records[i].parsed;
        if (c->records[i].kind != CATALOG_REGION || !r)
            continue;
        check_member(c, r, r->primary);
        for (int k = 0; k < r->n_backups; k++)
            check_member(c, r, r->backups[k]);
        for (int k = 0; k < r->n_learners; k++)
            check_member(c, r, r->learners[k]);
    }
}

/* ---- a region's record, from what servers know ---------------------------------------------- */

/* How many copies it wants, as its file says. */
static int wanted_copies(const struct holder *h, uint64_t region)
{
    json_t *contents = brief_contents(h, region), *row;
    size_t i;
    int copies = 0;
    json_array_foreach(json_object_get(contents, "records"), i, row)
    {
        json_t *o = json_loads(json_text(row, "record"), 0, NULL);
        if (json_number(row, "id") == 0)
            copies = (int)json_number(o, "copies");
        json_decref(o);
    }
    json_decref(contents);
    return copies;
}

static int take_names(struct fsck *c, const json_t *array, char **ret)
{
    int n = 0;
    for (size_t i = 0; i < json_array_size(array) && n < CATALOG_MAX_COPIES; i++)
        ret[n++] = arena_strdup(&c->arena, json_string_value(json_array_get(array, i)));
    return n;
}

/* Nobody could swap a record that is gone or unreadable: the newest config that any server knows is
 * the last one there was. Its successor names the same members. */
const char *fsck_region_text(struct fsck *c, uint64_t region)
{
    const struct holder *best = NULL;
    struct region r = {.id = region};
    for (size_t i = 0; i < c->n_holders; i++) {
        const json_t *copy = holder_copy(&c->holders[i], region);
        const json_t *config = member(copy, "config");
        r.schema_version = MAX(r.schema_version, json_number(copy, "schema_version"));
        if (json_number(config, "epoch") <= r.epoch)
            continue;
        best = &c->holders[i];
        r.epoch = json_number(config, "epoch");
        r.primary = arena_strdup(&c->arena, json_text(config, "primary"));
        r.n_backups = take_names(c, member(config, "backups"), r.backups);
        r.n_learners = take_names(c, member(config, "learners"), r.learners);
    }
    if (!best)
        return NULL;
    r.epoch++;
    int copies = wanted_copies(best, region);
    r.copies = MIN(MAX(copies, 1 + r.n_backups), (int)CATALOG_MAX_COPIES);
    char *text = NULL;
    struct error *e = catalog_region_text(&r, &text);
    error_free(e);
    const char *kept = text ? arena_strdup(&c->arena, text) : NULL;
    mem_free(text);
    return kept;
}

/* ---- contents ------------------------------------------------------------------------------- */

static void join_texts(const json_t *texts, struct buf *out)
{
    size_t i;
    json_t *text;
    json_array_foreach(texts, i, text) if (i < 3)
        buf_printf(out, "%s%s", i ? "; " : "", json_string_value(text));
}

bool fsck_damage(struct fsck *c, const char *server, uint64_t region, const json_t *contents)
{
    _cleanup_(buf_done) struct buf b = {0};
    bool damaged = json_array_size(member(contents, "damage")) > 0;
    if (damaged) {
        buf_puts(&b, "the copy is damaged: ");
        join_texts(member(contents, "damage"), &b);
        add(c, SEVERITY_ERROR, "copy-damaged", region, server, arena_strdup(&c->arena, b.data));
    }
    if (json_array_size(member(contents, "dangling")) > 0) {
        buf_clear(&b);
        buf_puts(&b, "foreign keys do not hold: ");
        join_texts(member(contents, "dangling"), &b);
        add(c, SEVERITY_ERROR, "foreign-key-broken", region, server,
            arena_strdup(&c->arena, b.data))
            ->advice = "Insert the rows that are referred to, or delete those that refer to them.";
    }
    return damaged;
}

static const json_t *find_table(const json_t *contents, uint64_t id)
{
    size_t i;
    json_t *t;
    json_array_foreach(member(contents, "tables"), i, t) if (json_number(t, "id") == id) return t;
    return NULL;
}

static bool has_index(const json_t *contents, const char *name)
{
    size_t i;
    json_t *index;
    json_array_foreach(member(contents, "indexes"), i,
                       index) if (strcmp(json_string_value(index), name) == 0) return true;
    return false;
}

/* Records of tables that lie in the region against what its file has. */
static void compare_table(struct fsck *c, const char *server, const struct table *t,
                          const json_t *contents)
{
    const json_t *there = find_table(contents, t->id);
    if (!there || strcmp(json_text(there, "name"), table_file_name(t)) != 0) {
        add(c, SEVERITY_ERROR, "table-missing-in-file", t->region, server,
            arena_printf(&c->arena, "table \"%s\" is not in the copy", t->name))
            ->advice = "Is the server's log quiet about it? Then restore a backup of the table.";
        return;
    }
    for (int i = 0; i < t->n_indexes; i++)
        if (!has_index(contents, index_file_name(&t->indexes[i])))
            add(c, SEVERITY_ERROR, "index-missing-in-file", t->region, server,
                arena_printf(&c->arena, "index \"%s\" is not in the copy", t->indexes[i].name))
                ->advice = "DROP INDEX, and create it again.";
}

static void forget_finding(struct fsck *c, const struct record *r, const char *code)
{
    for (size_t i = 0; i < c->n_findings; i++) {
        struct finding *f = &c->findings[i];
        if (strcmp(f->code, code) == 0 && f->repair.key && strcmp(f->repair.key, r->kv->key) == 0)
            c->findings[i--] = c->findings[--c->n_findings];
    }
}

/* Names and indexes that lead to this table are right when its record is back. */
static void keep_names(struct fsck *c, uint64_t id)
{
    for (size_t i = 0; i < c->n_records; i++) {
        const struct record *r = &c->records[i];
        json_t *o =
            r->kind == CATALOG_INDEX ? json_loadb(r->kv->value, r->kv->value_len, 0, NULL) : NULL;
        if (r->kind == CATALOG_NAME && strtoull(r->kv->value, NULL, 10) == id)
            forget_finding(c, r, "name-without-table");
        if (o && json_number(o, "table") == id)
            forget_finding(c, r, "index-without-table");
        json_decref(o);
    }
}

/* A table of the file that the store does not know. It was not dropped: that would have raised the
 * region's schema version first, and the file would have followed. */
static void found_unknown(struct fsck *c, const char *server, uint64_t region, const json_t *row)
{
    uint64_t id = json_number(row, "id");
    char *made = catalog_id_key(CATALOG_TABLE, id);
    const char *key = arena_strdup(&c->arena, made);
    mem_free(made);
    const struct record *r = fsck_record(c, key);
    for (size_t i = 0; i < c->n_findings; i++)
        if (c->findings[i].repair.key && strcmp(c->findings[i].repair.key, key) == 0)
            return; /* another copy told */
    struct finding *f =
        add(c, SEVERITY_ERROR, "table-without-record", region, server,
            arena_printf(&c->arena, "the copy has table %llu, which has no readable record",
                         (unsigned long long)id));
    f->repair = (struct repair){.kind = REPAIR_PUT,
                                .key = key,
                                .value = arena_strdup(&c->arena, json_text(row, "record")),
                                .revision = r ? r->kv->mod_revision : 0};
    keep_names(c, id);
    if (r)
        forget_finding(c, r, "unreadable-record");
    for (size_t i = 0; r && i < c->n_findings; i++) /* without a repair of its own */
        if (strcmp(c->findings[i].code, "unreadable-record") == 0 &&
            strstr(c->findings[i].text, arena_printf(&c->arena, "\"%s\"", key)))
            c->findings[i--] = c->findings[--c->n_findings];
}

static void compare_records(struct fsck *c, const char *server, const struct region *r,
                            const json_t *contents)
{
    size_t i;
    json_t *row;
    for (size_t k = 0; k < c->n_records; k++) {
        const struct table *t = c->records[k].parsed;
        if (c->records[k].kind == CATALOG_TABLE && t && t->region == r->id)
            compare_table(c, server, t, contents);
    }
    json_array_foreach(member(contents, "records"), i, row)
    {
        uint64_t id = json_number(row, "id");
        const struct table *t = fsck_table(c, id);
        if (id && !t && json_number(contents, "schema_version") >= r->schema_version)
            found_unknown(c, server, r->id, row);
    }
    if (!json_flag(contents, "described") && r->schema_version > 0)
        add(c, SEVERITY_NOTE, "not-described", r->id, server,
            "the copy does not carry the records of its tables")
            ->advice = "They come with the next start of its primary.";
}

void fsck_compare(struct fsck *c, uint64_t region, const char *a, const json_t *contents_a,
                  const char *b, const json_t *contents_b)
{
    _cleanup_(buf_done) struct buf names = {0};
    size_t i;
    json_t *t;
    json_array_foreach(member(contents_a, "tables"), i, t)
    {
        const json_t *other = find_table(contents_b, json_number(t, "id"));
        if (!other || strcmp(json_text(t, "hash"), json_text(other, "hash")) != 0)
            buf_printf(&names, "%s\"%s\"", names.len ? ", " : "", json_text(t, "name"));
    }
    if (json_array_size(member(contents_a, "tables")) !=
        json_array_size(member(contents_b, "tables")))
        buf_printf(&names, "%sthe number of tables", names.len ? ", " : "");
    if (strcmp(json_text(contents_a, "requests_hash"), json_text(contents_b, "requests_hash")))
        buf_printf(&names, "%sthe results of requests", names.len ? ", " : "");
    if (!names.len)
        return;
    add(c, SEVERITY_ERROR, "copies-differ", region, b,
        arena_printf(&c->arena, "the copy differs from that at %s at the same lsn: %s", a,
                     names.data))
        ->advice = arena_printf(&c->arena,
                                "Clients read %s's. If that is the right one: minisql recover "
                                "region %llu --rebuild %s. If not: the same with the other server.",
                                a, (unsigned long long)region, b);
}

/* ---- contents at one lsn -------------------------------------------------------------------- */

struct look {
    const struct holder *h;
    bool primary, held;
    json_t *contents;
};

static bool ask_look(struct look *l, uint64_t region, uint64_t *ret_lsn)
{
    char text[64], tag[64];
    unsigned long long lsn = 0;
    snprintf(text, sizeof(text), "FSCK look %llu", (unsigned long long)region);
    struct error *e = ask_run(l->h->conn, text, LOOK_MS, NULL, NULL, tag);
    l->held = !e && sscanf(tag, "FSCK %llu", &lsn) == 1;
    error_free(e);
    *ret_lsn = lsn;
    return l->held;
}

static bool move_to(struct look *l, uint64_t lsn)
{
    char text[64];
    snprintf(text, sizeof(text), "FSCK at %llu", (unsigned long long)lsn);
    struct error *e = ask_run(l->h->conn, text, LOOK_MS, NULL, NULL, NULL);
    l->held = !e;
    error_free(e);
    return l->held;
}

/* Holds the backups, takes the primary's snapshot, and lets them go on up to there. False: a copy
 * was further already, or a server does not answer; those that are held can be compared. */
static bool align(struct look *looks, size_t n, uint64_t region)
{
    uint64_t lsn = 0, highest = 0;
    bool all = true;
    for (size_t i = n; i-- > 0;) { /* the primary is the first, and comes last */
        all &= ask_look(&looks[i], region, &lsn);
        if (looks[i].primary && lsn < highest)
            return false;
        highest = MAX(highest, lsn);
    }
    if (!looks[0].primary || !looks[0].held)
        return false;
    for (size_t i = 1; i < n; i++)
        if (looks[i].held)
            all &= move_to(&looks[i], lsn);
    return all;
}

static void read_contents(struct fsck *c, struct look *l, uint64_t region)
{
    json_t *all = NULL;
    if (!l->held)
        return;
    struct error *e = ask_json(l->h->conn, "FSCK contents deep", CONTENTS_MS, &all);
    if (e)
        add(c, SEVERITY_ERROR, "copy-unreadable", region, l->h->name,
            arena_printf(&c->arena, "the copy can't be read: %s", e->message));
    error_free(e);
    l->contents = all ? json_incref(json_array_get(all, 0)) : NULL;
    json_decref(all);
}

static size_t voters(struct fsck *c, const struct region *r, struct look *ret)
{
    size_t n = 0;
    for (int i = -1; i < r->n_backups; i++) {
        const struct holder *h = fsck_holder(c, i < 0 ? r->primary : r->backups[i]);
        const json_t *copy = h && h->conn ? holder_copy(h, r->id) : NULL;
        if (copy && !json_flag(copy, "stray") && !json_flag(copy, "rebuild"))
            ret[n++] = (struct look){.h = h, .primary = i < 0};
    }
    return n;
}

/* A damaged copy may go where the others' primary, or a backup of the damaged primary, is whole. */
static void repair_damaged(struct fsck *c, struct finding *f, const struct look *looks,
                           const bool *damaged, size_t n)
{
    bool primary = looks[0].primary && strcmp(looks[0].h->name, f->server) == 0;
    for (size_t i = primary ? 1 : 0; i < (primary ? n : 1); i++)
        if (looks[i].contents && !damaged[i] && (primary || looks[i].primary)) {
            f->repair = (struct repair){.kind = REPAIR_REBUILD,
                                        .server = f->server,
                                        .other = looks[i].h->name,
                                        .region = f->region};
            return;
        }
    f->advice = "No other copy is known to be whole: see minisql recover region.";
}

static void judge(struct fsck *c, const struct region *r, struct look *looks, size_t n,
                  bool aligned)
{
    bool damaged[CATALOG_MAX_COPIES + 1] = {false};
    size_t before = c->n_findings;
    for (size_t i = 0; i < n; i++) {
        if (!looks[i].contents)
            continue;
        damaged[i] = fsck_damage(c, looks[i].h->name, r->id, looks[i].contents);
        if (!damaged[i])
            compare_records(c, looks[i].h->name, r, looks[i].contents);
    }
    for (size_t k = before; k < c->n_findings; k++)
        if (strcmp(c->findings[k].code, "copy-damaged") == 0)
            repair_damaged(c, &c->findings[k], looks, damaged, n);
    for (size_t i = 1; aligned && i < n; i++)
        if (looks[0].contents && looks[i].contents && !damaged[0] && !damaged[i])
            fsck_compare(c, r->id, looks[0].h->name, looks[0].contents, looks[i].h->name,
                         looks[i].contents);
    if (!aligned && n > 1)
        add(c, SEVERITY_WARNING, "not-compared", r->id, NULL,
            "the copies could not be brought to one lsn and were not compared")
            ->advice = "Run this again when the region's members don't change.";
}

static void check_contents(struct fsck *c, const struct region *r)
{
    struct look looks[CATALOG_MAX_COPIES + 1] = {0};
    size_t n = voters(c, r, looks);
    bool aligned = false;
    if (!n)
        return;
    for (int i = 0; i < TRIES && !aligned; i++) {
        if (i)
            sleep_ms(200);
        aligned = align(looks, n, r->id);
    }
    for (size_t i = 0; i < n; i++) {
        looks[i].held = aligned ? looks[i].held : ask_look(&looks[i], r->id, &(uint64_t){0});
        read_contents(c, &looks[i], r->id);
    }
    judge(c, r, looks, n, aligned);
    for (size_t i = 0; i < n; i++)
        json_decref(looks[i].contents);
}

void fsck_contents(struct fsck *c)
{
    size_t done = 0, total = 0;
    for (size_t i = 0; i < c->n_records; i++)
        total += c->records[i].kind == CATALOG_REGION && c->records[i].parsed;
    for (size_t i = 0; i < c->n_records; i++) {
        if (c->records[i].kind != CATALOG_REGION || !c->records[i].parsed)
            continue;
        fsck_progress("regions", done++, total);
        check_contents(c, c->records[i].parsed);
    }
    fsck_progress("regions", total, total);
    c->n_regions = total;
}
