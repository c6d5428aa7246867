/*
 * minisql_*: servers, regions, learners, and tables as MiniSQL itself sees them.
 */
#include "exec/system.h"

static struct value text(const char *s)
{
    if (!s)
        return (struct value){.kind = VALUE_NULL};
    return (struct value){.kind = VALUE_TEXT, .s = {s, strlen(s)}};
}

/* What is not known is NULL. */
static void put_counted(struct exec__maker *m, const char *column, int64_t i)
{
    if (i >= 0)
        exec__put_int(m, column, i);
}

static struct value name_list(struct exec__maker *m, char *const *names, int n)
{
    _cleanup_(buf_done) struct buf b = {0};
    for (int i = 0; i < n; i++)
        buf_printf(&b, "%s%s", i > 0 ? ", " : "", names[i]);
    return text(arena_strndup(&m->arena, b.data ? b.data : "", b.len));
}

/* ---- servers -------------------------------------------------------------------------------- */

static struct error *give_server(struct exec__maker *m, const struct server *s)
{
    _cleanup_(buf_done) struct buf roles = {0};
    const bool has[] = {s->gateway, s->region, s->master};
    static const char *const names[] = {"gateway", "region", "master"};
    for (size_t i = 0; i < ARRAY_LEN(has); i++)
        if (has[i])
            buf_printf(&roles, "%s%s", roles.len > 0 ? "," : "", names[i]);
    exec__put_text(m, "name", s->name);
    exec__put_text(m, "address", s->address);
    exec__put_text(m, "roles", roles.data ? roles.data : "");
    exec__put_text(m, "status",
                   s->disk_failed                         ? "disk failed"
                   : catalog_is_drained(m->view, s->name) ? "drained"
                                                          : "up");
    exec__put_int(m, "master", m->view->master && strcmp(m->view->master, s->name) == 0);
    exec__put_int(m, "tables", s->tables);
    exec__put_int(m, "records", s->records);
    exec__put_int(m, "bytes", s->bytes);
    exec__put_text(m, "started", arena_printf(&m->arena, "%llu", (unsigned long long)s->started));
    return exec__give(m);
}

/* A server that regions count on, or that somebody drained, but that is not registered. */
static struct error *give_absent(struct exec__maker *m, struct map *seen, const char *name)
{
    if (!name || catalog_server(m->view, name) || map_get_str(seen, name))
        return NULL;
    map_put_str(seen, name, m);
    const char *status = catalog_is_drained(m->view, name) ? "drained, down" : "down";
    exec__put_text(m, "name", name);
    exec__put_text(m, "address", "");
    exec__put_text(m, "roles", "");
    exec__put_text(m, "status", status);
    exec__put_int(m, "master", false);
    return exec__give(m);
}

static struct error *absent_of(struct exec__maker *m, struct map *seen, const struct region *r)
{
    TRY(give_absent(m, seen, r->primary));
    for (int i = 0; i < r->n_backups; i++)
        TRY(give_absent(m, seen, r->backups[i]));
    for (int i = 0; i < r->n_learners; i++)
        TRY(give_absent(m, seen, r->learners[i]));
    return NULL;
}

static struct error *make_servers(struct exec__maker *m)
{
    for (size_t i = 0; i < m->view->n_servers; i++)
        TRY(give_server(m, m->view->servers[i]));
    struct map seen = {0};
    struct error *e = NULL;
    for (size_t i = 0; !e && i < m->view->n_regions; i++)
        e = absent_of(m, &seen, m->view->regions[i]);
    for (const char *p = m->view->drained; !e && p && *p; p += strcspn(p, ","), p += *p == ',') {
        _cleanup_(mem_freep) char *name = mem_strndup(p, strcspn(p, ","));
        e = give_absent(m, &seen, name);
    }
    map_done(&seen);
    return e;
}

/* ---- regions -------------------------------------------------------------------------------- */

static struct value tables_of(struct exec__maker *m, uint64_t region)
{
    _cleanup_(buf_done) struct buf b = {0};
    for (size_t i = 0; i < m->view->n_tables; i++)
        if (m->view->tables[i]->region == region)
            buf_printf(&b, "%s%s", b.len > 0 ? ", " : "", m->view->tables[i]->name);
    return text(arena_strndup(&m->arena, b.data ? b.data : "", b.len));
}

static const char *status_of(const struct exec__maker *m, const struct region *r)
{
    if (!r->primary || !catalog_server(m->view, r->primary))
        return "no primary";
    int live = 1;
    for (int i = 0; i < r->n_backups; i++)
        live += catalog_server(m->view, r->backups[i]) != NULL;
    if (live >= r->copies)
        return "healthy";
    return r->n_learners > 0 ? "rebuilding" : "degraded";
}

static struct value progress_of(struct exec__maker *m, const struct region *r)
{
    _cleanup_(buf_done) struct buf b = {0};
    for (int i = 0; i < r->n_learners; i++) {
        struct exec__learner l;
        exec__ask_learner(m->run->e, r, r->learners[i], &l);
        buf_puts(&b, i > 0 ? "; " : "");
        exec__learner_text(&b, r->learners[i], &l);
    }
    if (r->leaving)
        buf_printf(&b, "%s%s leaves", b.len ? ", then " : "", r->leaving);
    return text(arena_strndup(&m->arena, b.data ? b.data : "", b.len));
}

static struct error *give_learner(struct exec__maker *m, const struct region *r, const char *server)
{
    struct exec__learner l;
    exec__ask_learner(m->run->e, r, server, &l);
    exec__put_int(m, "region", (int64_t)r->id);
    exec__put_text(m, "server", server);
    exec__put_text(m, "state", l.state);
    put_counted(m, "done_bytes", l.fetching ? l.done : -1);
    put_counted(m, "total_bytes", l.fetching ? l.total : -1);
    put_counted(m, "bytes_per_second", l.fetching ? l.rate : -1);
    put_counted(m, "seconds_left", exec__learner_seconds(&l));
    exec__put_int(m, "received_bytes", l.received);
    put_counted(m, "entries_behind", l.behind);
    exec__put_text(m, "message", l.message);
    return exec__give(m);
}

static struct error *make_learners(struct exec__maker *m)
{
    for (size_t i = 0; i < m->view->n_regions; i++) {
        const struct region *r = m->view->regions[i];
        for (int k = 0; k < r->n_learners; k++)
            TRY(give_learner(m, r, r->learners[k]));
    }
    return NULL;
}

static struct error *make_regions(struct exec__maker *m)
{
    for (size_t i = 0; i < m->view->n_regions; i++) {
        const struct region *r = m->view->regions[i];
        exec__put_int(m, "region", (int64_t)r->id);
        exec__put(m, "tables", tables_of(m, r->id));
        exec__put_int(m, "epoch", (int64_t)r->epoch);
        exec__put_text(m, "primary_server", r->primary);
        exec__put(m, "backups", name_list(m, r->backups, r->n_backups));
        exec__put(m, "learners", name_list(m, r->learners, r->n_learners));
        exec__put_text(m, "status", status_of(m, r));
        exec__put_int(m, "copies", r->copies);
        exec__put(m, "progress", exec__wants(m, "progress") ? progress_of(m, r) : text(NULL));
        TRY(exec__give(m));
    }
    return NULL;
}

/* ---- tables, columns, indexes --------------------------------------------------------------- */

static struct error *make_tables(struct exec__maker *m)
{
    for (size_t i = 0; i < m->view->n_tables; i++) {
        const struct table *t = m->view->tables[i];
        if (table_is_temporary(t))
            continue; /* it is no table of the cluster's */
        const struct region *r = catalog_region(m->view, t->region);
        int64_t rows = -1, bytes = -1;
        if (exec__wants(m, "records") || exec__wants(m, "bytes"))
            exec__ask_size(m->run->e, t, &rows, &bytes);
        exec__put_text(m, "name", t->name);
        exec__put_int(m, "region", (int64_t)t->region);
        exec__put_text(m, "primary_server", r ? r->primary : NULL);
        exec__put(m, "backups", r ? name_list(m, r->backups, r->n_backups) : text(""));
        put_counted(m, "records", rows);
        put_counted(m, "bytes", bytes);
        TRY(exec__give(m));
    }
    return NULL;
}

static const char *column_type(struct exec__maker *m, const struct column *c)
{
    return type_label(c->type, c->typmod, &m->arena);
}

static struct error *make_columns(struct exec__maker *m)
{
    for (size_t i = 0; i < m->view->n_tables; i++) {
        const struct table *t = m->view->tables[i];
        for (int c = 0; c < t->n_columns; c++) {
            if (t->columns[c].dropped)
                continue;
            exec__put_text(m, "table_name", t->name);
            exec__put_text(m, "column_name", t->columns[c].name);
            exec__put_text(m, "type", column_type(m, &t->columns[c]));
            exec__put_int(m, "nullable", !t->columns[c].not_null);
            exec__put_text(m, "default_value", t->columns[c].default_sql);
            exec__put_int(m, "position", c + 1);
            TRY(exec__give(m));
        }
    }
    return NULL;
}

static struct error *give_index(struct exec__maker *m, const struct table *t, const char *name,
                                const int *columns, const struct index_expression *expressions,
                                const bool *descending, int n, bool unique, bool primary)
{
    _cleanup_(buf_done) struct buf b = {0};
    for (int i = 0; i < n; i++)
        buf_printf(&b, "%s%s%s", i > 0 ? ", " : "",
                   columns[i] < 0 ? expressions[-1 - columns[i]].sql : t->columns[columns[i]].name,
                   descending && descending[i] ? " DESC" : "");
    exec__put_text(m, "table_name", t->name);
    exec__put_text(m, "index_name", name);
    exec__put_text(m, "columns", arena_strndup(&m->arena, b.data ? b.data : "", b.len));
    exec__put_int(m, "is_unique", unique);
    exec__put_int(m, "is_primary", primary);
    return exec__give(m);
}

static struct error *make_indexes(struct exec__maker *m)
{
    for (size_t i = 0; i < m->view->n_tables; i++) {
        const struct table *t = m->view->tables[i];
        for (int k = 0; k < t->n_keys; k++)
            TRY(give_index(m, t, t->keys[k].name, t->keys[k].columns, NULL, NULL,
                           t->keys[k].n_columns, true, t->keys[k].primary));
        for (int k = 0; k < t->n_indexes; k++)
            TRY(give_index(m, t, t->indexes[k].name, t->indexes[k].columns,
                           t->indexes[k].expressions, t->indexes[k].descending,
                           t->indexes[k].n_columns, t->indexes[k].unique, false));
    }
    return NULL;
}

/* ---- databases ------------------------------------------------------------------------------ */

static struct error *give_database(struct exec__maker *m, const char *name, uint64_t id)
{
    const struct catalog_view *all = m->view->all;
    struct map regions = {0};
    int64_t tables = 0, n_regions = 0;
    for (size_t i = 0; i < all->n_tables; i++) {
        const struct table *t = all->tables[i];
        if (t->database != id)
            continue;
        tables++;
        n_regions += !map_put_u64(&regions, t->region, m);
    }
    map_done(&regions);
    exec__put_text(m, "name", name);
    const struct object *o = catalog_object(m->view, OBJ_DATABASE, "", name);
    exec__put_int(m, "colocated", o && o->colocated);
    exec__put_int(m, "tables", tables);
    exec__put_int(m, "regions", n_regions);
    return exec__give(m);
}

static struct error *make_databases(struct exec__maker *m)
{
    static const char *const always[] = {CATALOG_FIRST_DATABASE, "postgres", "template1"};
    uint64_t id;
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        if (catalog_database(m->view, always[i], &id))
            TRY(give_database(m, always[i], id));
    for (size_t i = 0; i < m->view->n_objects; i++) {
        const struct object *o = m->view->objects[i];
        if (o->kind == OBJ_DATABASE && catalog_database(m->view, o->name, &id) && id == o->id)
            TRY(give_database(m, o->name, id));
    }
    return NULL;
}

const struct exec__making exec__making_cluster[] = {
    {"pg_catalog", "minisql_servers", make_servers, 9000,
     "name text, address text, roles text, status text, master bool, tables int8, records int8, "
     "bytes int8, started text"},
    {"pg_catalog", "minisql_regions", make_regions, 9001,
     "region int8, tables text, epoch int8, primary_server text, backups text, learners text, "
     "status text, copies int4, progress text"},
    {"pg_catalog", "minisql_learners", make_learners, 9002,
     "region int8, server text, state text, done_bytes int8, total_bytes int8, bytes_per_second "
     "int8, seconds_left int8, received_bytes int8, entries_behind int8, message text"},
    {"pg_catalog", "minisql_tables", make_tables, 9003,
     "name text, region int8, primary_server text, backups text, records int8, bytes int8"},
    {"pg_catalog", "minisql_databases", make_databases, 9006,
     "name text, colocated bool, tables int8, regions int8"},
    {"pg_catalog", "minisql_columns", make_columns, 9004,
     "table_name text, column_name text, type text, nullable bool, default_value text, position "
     "int4"},
    {"pg_catalog", "minisql_indexes", make_indexes, 9005,
     "table_name text, index_name text, columns text, is_unique bool, is_primary bool"},
    {0}};
