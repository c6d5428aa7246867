/*
 * What a running server has of its regions, for those who compare the copies of a region with each
 * other and with the coordination store (region.h says what the JSON holds).
 *
 * Comparing contents needs two copies at the same lsn, while the primary goes on writing. So the
 * backups are held first (region_look_open), then the primary's snapshot is taken, which is at
 * least where they are, and then each backup applies exactly up to that lsn (region_look_at). Only
 * applying waits; entries are logged and acknowledged as ever.
 */
#include "region/region_int.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HOLD_MS = 10000, CATCH_UP_MS = 8000 };

/* ---- JSON --------------------------------------------------------------------------------- */

static json_t *hex(uint64_t v)
{
    char text[17];
    snprintf(text, sizeof(text), "%016llx", (unsigned long long)v);
    return json_string(text);
}

/* Text from a file may be anything. */
static json_t *any_text(const char *s)
{
    json_t *text = json_string(s);
    return text ? text : json_string("(text that is not UTF-8)");
}

static json_t *text_array(const char *const *v, size_t n)
{
    json_t *a = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(a, any_text(v[i]));
    return a;
}

static json_t *tables_json(const struct store_contents *c)
{
    json_t *a = json_array();
    for (size_t i = 0; i < c->n_tables; i++) {
        const struct store_table_contents *t = &c->tables[i];
        json_array_append_new(a, json_pack("{s:I, s:o, s:I, s:o}", "id", (json_int_t)t->id, "name",
                                           any_text(t->name), "rows", (json_int_t)t->rows, "hash",
                                           hex(t->hash)));
    }
    return a;
}

static json_t *records_json(const struct store_contents *c)
{
    json_t *a = json_array();
    for (size_t i = 0; i < c->n_records; i++)
        json_array_append_new(a, json_pack("{s:I, s:I, s:o}", "id", (json_int_t)c->records[i].id,
                                           "version", (json_int_t)c->records[i].version, "record",
                                           any_text(c->records[i].text)));
    return a;
}

json_t *region__contents_json(const struct store_contents *c)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:I}", "region",
                     (json_int_t)c->meta.region, "lsn", (json_int_t)c->meta.applied_lsn, "epoch",
                     (json_int_t)c->meta.applied_epoch, "schema_version",
                     (json_int_t)c->meta.schema_version, "cluster", hex(c->meta.cluster), "tables",
                     tables_json(c), "indexes", text_array(c->indexes, c->n_indexes), "records",
                     records_json(c), "described", (int)c->described, "damage",
                     text_array(c->damage, c->n_damage), "dangling",
                     text_array(c->dangling, c->n_dangling), "requests_hash", hex(c->requests_hash),
                     "max_gateway", (json_int_t)c->max_gateway);
}

struct error *region__emit_json(json_t *object, region_emit_fn *emit, void *ctx)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (!text)
        return error_new(E_INTERNAL, "a region's description could not be made");
    struct error *e = emit(ctx, text, strlen(text));
    free(text);
    return e;
}

void region__put_file_facts(json_t *object, const char *dir, uint64_t region)
{
    static const char *const suffixes[] = {".db", ".db-wal"};
    bool there = false;
    time_t modified = 0;
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        struct stat st;
        _cleanup_(mem_freep) char *path =
            mem_printf("%s/region-%llu%s", dir, (unsigned long long)region, suffixes[i]);
        if (stat(path, &st) != 0)
            continue;
        there |= i == 0;
        modified = MAX(modified, st.st_mtime);
    }
    _cleanup_(mem_freep) char *mark =
        mem_printf("%s/region-%llu.rebuild", dir, (unsigned long long)region);
    json_object_set_new(object, "file", json_boolean(there));
    json_object_set_new(object, "modified", json_integer(modified));
    json_object_set_new(object, "rebuild", json_boolean(access(mark, F_OK) == 0));
}

/* ---- all regions -------------------------------------------------------------------------- */

static json_t *node_names(const struct regions *rs, const repl_node *nodes, uint32_t n)
{
    json_t *a = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(a, json_string(rs->nodes[nodes[i]].name));
    return a;
}

/* core_mutex held */
static json_t *config_json(const struct regions *rs, const struct repl_config *c)
{
    if (!c->epoch)
        return json_pack("{s:i}", "epoch", 0);
    return json_pack("{s:I, s:s, s:o, s:o}", "epoch", (json_int_t)c->epoch, "primary",
                     rs->nodes[c->primary].name, "backups",
                     node_names(rs, c->backups, c->n_backups), "learners",
                     node_names(rs, c->learners, c->n_learners));
}

static void put_log_range(struct regions *rs, json_t *object, uint64_t region)
{
    uint64_t first, last, epoch;
    wal_range(rs->wal, region, &first, &last, &epoch);
    if (first > last)
        return;
    json_object_set_new(object, "log_first", json_integer((json_int_t)first));
    json_object_set_new(object, "log_last", json_integer((json_int_t)last));
    json_object_set_new(object, "log_epoch", json_integer((json_int_t)epoch));
}

static json_t *replica_json(struct region_replica *p)
{
    static const char *const roles[] = {"none", "learner", "backup", "primary"};
    struct regions *rs = p->rs;
    struct repl_status status = {0};
    region__lock(rs);
    if (!p->gone)
        repl_get_status(rs->core, p->core, &status);
    json_t *object = json_pack(
        "{s:I, s:I, s:I, s:I, s:s, s:b, s:I, s:o, s:o}", "region", (json_int_t)p->id, "lsn",
        (json_int_t)p->applied, "epoch", (json_int_t)p->applied_epoch, "schema_version",
        (json_int_t)atomic_load(&p->file_schema), "role", roles[status.role], "serving",
        (int)atomic_load(&p->ready), "committed", (json_int_t)p->committed, "config",
        config_json(rs, &status.config), "error", any_text(p->error));
    region__unlock(rs);
    json_object_set_new(object, "cluster", hex(rs->cluster));
    json_object_set_new(object, "lost", json_boolean(p->told_lost));
    put_log_range(rs, object, p->id);
    region__put_file_facts(object, rs->dir, p->id);
    return object;
}

struct strays {
    struct regions *rs;
    region_emit_fn *emit;
    void *ctx;
    struct error *error;
};

static void found_stray(void *ctx, uint64_t region)
{
    struct strays *s = ctx;
    struct region_replica *p = region__get(s->rs, region);
    if (!p && !s->error) {
        json_t *object = json_pack("{s:I, s:b}", "region", (json_int_t)region, "stray", 1);
        put_log_range(s->rs, object, region);
        region__put_file_facts(object, s->rs->dir, region);
        s->error = region__emit_json(object, s->emit, s->ctx);
    }
    region__put(p);
}

struct error *region_inspect(struct regions *rs, region_emit_fn *emit, void *ctx)
{
    size_t n;
    struct error *e = NULL;
    struct region_replica **all = region__all(rs, &n);
    for (size_t i = 0; i < n; i++) {
        if (!e)
            e = region__emit_json(replica_json(all[i]), emit, ctx);
        region__put(all[i]);
    }
    mem_free(all);
    TRY(e);
    struct strays strays = {.rs = rs, .emit = emit, .ctx = ctx};
    TRY(store_list(rs->dir, found_stray, &strays));
    return strays.error;
}

/* ---- one region's contents ---------------------------------------------------------------- */

struct region_look {
    struct region_replica *p; /* a reference */
    struct store *store;      /* entered; NULL: no snapshot yet */
    struct store_conn *conn;
    uint64_t lsn;
};

/* The reader's snapshot, as of which the rest is told. */
static struct error *take_snapshot(struct region_look *l)
{
    struct store_meta meta;
    if (!region__enter_store(l->p))
        return region__not_primary(l->p);
    struct error *e = store_get_reader(l->p->store, &l->conn);
    if (e) {
        region__leave_store(l->p);
        return e;
    }
    l->store = l->p->store;
    TRY(store_reader_begin(l->conn));
    TRY(store_reader_meta(l->conn, &meta));
    l->lsn = meta.applied_lsn;
    return NULL;
}

/* No further than where it is, for now. The writer is owned, so that no worker is on its way. */
static struct error *hold(struct region_look *l)
{
    struct region_replica *p = l->p;
    TRY(region__own(p, &p->rs->stopping));
    region__lock(p->rs);
    l->lsn = p->hold_lsn = p->applied;
    p->hold_until = clock_ms() + HOLD_MS;
    region__unlock(p->rs);
    region__disown(p);
    return NULL;
}

static void let_go(struct region_look *l)
{
    region__lock(l->p->rs);
    l->p->hold_until = 0;
    region__unlock(l->p->rs);
    region__want_work(l->p);
}

struct error *region_look_open(struct regions *rs, uint64_t region, struct region_look **ret)
{
    struct region_look *l = NEW(struct region_look);
    struct error *e = region__find(rs, region, &l->p);
    bool primary = false;
    if (!e) {
        region__touch(l->p);
        region__lock(rs);
        primary = l->p->role == REPL_PRIMARY;
        region__unlock(rs);
        e = primary ? take_snapshot(l) : hold(l);
    }
    if (e) {
        region_look_close(l);
        return e;
    }
    *ret = l;
    return NULL;
}

uint64_t region_look_lsn(const struct region_look *l)
{
    return l->lsn;
}

/* Lets it apply up to lsn; 55000 when it is further already, or does not get there. */
static struct error *await_lsn(struct region_replica *p, uint64_t lsn)
{
    struct regions *rs = p->rs;
    uint64_t deadline = clock_ms() + CATCH_UP_MS;
    region__lock(rs);
    p->hold_lsn = lsn;
    p->hold_until = clock_ms() + HOLD_MS;
    region__want_work(p);
    while (p->applied < lsn && !p->gone && clock_ms() < deadline) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_nsec += 20 * 1000000L;
        t.tv_sec += t.tv_nsec / 1000000000L;
        t.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&p->changed, &rs->core_mutex, &t);
    }
    bool there = p->applied == lsn && !p->gone;
    region__unlock(rs);
    return there ? NULL
                 : error_new("55000", "region %llu: the copy is not at lsn %llu",
                             (unsigned long long)p->id, (unsigned long long)lsn);
}

struct error *region_look_at(struct region_look *l, uint64_t lsn)
{
    if (l->store)
        return error_new("55000", "region %llu is being looked at already",
                         (unsigned long long)l->p->id);
    struct error *e = await_lsn(l->p, lsn);
    if (!e)
        e = take_snapshot(l);
    let_go(l);
    TRY(e);
    return l->lsn == lsn ? NULL
                         : error_new("55000", "region %llu: the copy is not at lsn %llu any more",
                                     (unsigned long long)l->p->id, (unsigned long long)lsn);
}

struct error *region_look_contents(struct region_look *l, bool deep, region_emit_fn *emit,
                                   void *ctx)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct store_contents contents;
    if (!l->store)
        TRY(take_snapshot(l));
    TRY(store_contents(l->conn, deep, &a, &contents));
    return region__emit_json(region__contents_json(&contents), emit, ctx);
}

void region_look_close(struct region_look *l)
{
    if (!l)
        return;
    if (l->conn)
        store_put_reader(l->store, l->conn);
    if (l->store)
        region__leave_store(l->p);
    else if (l->p)
        let_go(l);
    region__put(l->p);
    mem_free(l);
}
