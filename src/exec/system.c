/*
 * System tables: what the catalog knows, as rows. `minisql_*` are ours; `pg_*` are the part of
 * PostgreSQL's catalogs that clients ask for and that has an answer here. A statement that reads
 * one is a gather plan: rows are made when it runs.
 */
#include "exec/exec_int.h"

struct column_spec {
    const char *name;
    uint32_t type;
};

struct maker {
    struct run *run;
    const struct catalog_view *view;
    const struct plan_scan *scan;
    struct arena arena;
    struct value values[16]; /* of the present row, all columns */
    exec__row_fn row;
    void *ctx;
    struct value picked[16];
};

struct system_spec {
    const char *name;
    struct error *(*make)(struct maker *m);
    struct column_spec columns[16];
};

/* ---- values --------------------------------------------------------------------------------- */

static struct value text(const char *s)
{
    if (!s)
        return (struct value){.kind = VALUE_NULL};
    return (struct value){.kind = VALUE_TEXT, .s = {s, strlen(s)}};
}

static struct value integer(int64_t i)
{
    return (struct value){.kind = VALUE_INT, .i = i};
}

/* What is not known is NULL. */
static struct value counted(int64_t i)
{
    return i < 0 ? (struct value){.kind = VALUE_NULL} : integer(i);
}

static struct value real(double r)
{
    return (struct value){.kind = VALUE_REAL, .r = r};
}

static struct error *give(struct maker *m)
{
    for (int i = 0; i < m->scan->n_columns; i++)
        m->picked[i] = m->values[m->scan->columns[i]];
    struct error *e = m->row(m->ctx, m->picked, m->scan->n_columns);
    arena_reset(&m->arena);
    return e;
}

static bool wants(const struct maker *m, int column)
{
    for (int i = 0; i < m->scan->n_columns; i++)
        if (m->scan->columns[i] == column)
            return true;
    return false;
}

static struct value name_list(struct maker *m, char *const *names, int n)
{
    _cleanup_(buf_done) struct buf b = {0};
    for (int i = 0; i < n; i++)
        buf_printf(&b, "%s%s", i > 0 ? ", " : "", names[i]);
    return text(arena_strndup(&m->arena, b.data ? b.data : "", b.len));
}

/* ---- servers -------------------------------------------------------------------------------- */

static struct error *give_server(struct maker *m, const struct server *s)
{
    _cleanup_(buf_done) struct buf roles = {0};
    const bool has[] = {s->gateway, s->region, s->master};
    static const char *const names[] = {"gateway", "region", "master"};
    for (size_t i = 0; i < ARRAY_LEN(has); i++)
        if (has[i])
            buf_printf(&roles, "%s%s", roles.len > 0 ? "," : "", names[i]);
    m->values[0] = text(s->name);
    m->values[1] = text(s->address);
    m->values[2] = text(roles.data ? roles.data : "");
    m->values[3] = text(s->disk_failed                         ? "disk failed"
                        : catalog_is_drained(m->view, s->name) ? "drained"
                                                               : "up");
    m->values[4] = integer(m->view->master && strcmp(m->view->master, s->name) == 0);
    m->values[5] = integer(s->tables);
    m->values[6] = integer(s->records);
    m->values[7] = integer(s->bytes);
    m->values[8] = text(arena_printf(&m->arena, "%llu", (unsigned long long)s->started));
    return give(m);
}

/* A server that regions count on, or that somebody drained, but that is not registered. */
static struct error *give_absent(struct maker *m, struct map *seen, const char *name)
{
    if (!name || catalog_server(m->view, name) || map_get_str(seen, name))
        return NULL;
    map_put_str(seen, name, m);
    const char *status = catalog_is_drained(m->view, name) ? "drained, down" : "down";
    for (int i = 0; i < 9; i++)
        m->values[i] = text(i == 0 ? name : i == 1 || i == 2 ? "" : i == 3 ? status : NULL);
    m->values[4] = integer(false);
    return give(m);
}

static struct error *absent_of(struct maker *m, struct map *seen, const struct region *r)
{
    TRY(give_absent(m, seen, r->primary));
    for (int i = 0; i < r->n_backups; i++)
        TRY(give_absent(m, seen, r->backups[i]));
    for (int i = 0; i < r->n_learners; i++)
        TRY(give_absent(m, seen, r->learners[i]));
    return NULL;
}

static struct error *make_servers(struct maker *m)
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

static struct value tables_of(struct maker *m, uint64_t region)
{
    _cleanup_(buf_done) struct buf b = {0};
    for (size_t i = 0; i < m->view->n_tables; i++)
        if (m->view->tables[i]->region == region)
            buf_printf(&b, "%s%s", b.len > 0 ? ", " : "", m->view->tables[i]->name);
    return text(arena_strndup(&m->arena, b.data ? b.data : "", b.len));
}

static const char *status_of(const struct maker *m, const struct region *r)
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

static struct value progress_of(struct maker *m, const struct region *r)
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

static struct error *give_learner(struct maker *m, const struct region *r, const char *server)
{
    struct exec__learner l;
    exec__ask_learner(m->run->e, r, server, &l);
    m->values[0] = integer((int64_t)r->id);
    m->values[1] = text(server);
    m->values[2] = text(l.state);
    m->values[3] = counted(l.fetching ? l.done : -1);
    m->values[4] = counted(l.fetching ? l.total : -1);
    m->values[5] = counted(l.fetching ? l.rate : -1);
    m->values[6] = counted(exec__learner_seconds(&l));
    m->values[7] = integer(l.received);
    m->values[8] = counted(l.behind);
    m->values[9] = text(l.message);
    return give(m);
}

static struct error *make_learners(struct maker *m)
{
    for (size_t i = 0; i < m->view->n_regions; i++) {
        const struct region *r = m->view->regions[i];
        for (int k = 0; k < r->n_learners; k++)
            TRY(give_learner(m, r, r->learners[k]));
    }
    return NULL;
}

static struct error *make_regions(struct maker *m)
{
    for (size_t i = 0; i < m->view->n_regions; i++) {
        const struct region *r = m->view->regions[i];
        m->values[0] = integer((int64_t)r->id);
        m->values[1] = tables_of(m, r->id);
        m->values[2] = integer((int64_t)r->epoch);
        m->values[3] = text(r->primary);
        m->values[4] = name_list(m, r->backups, r->n_backups);
        m->values[5] = name_list(m, r->learners, r->n_learners);
        m->values[6] = text(status_of(m, r));
        m->values[7] = integer(r->copies);
        m->values[8] = wants(m, 8) ? progress_of(m, r) : text(NULL);
        TRY(give(m));
    }
    return NULL;
}

/* ---- tables, columns, indexes --------------------------------------------------------------- */

static struct error *make_tables(struct maker *m)
{
    for (size_t i = 0; i < m->view->n_tables; i++) {
        const struct table *t = m->view->tables[i];
        const struct region *r = catalog_region(m->view, t->region);
        int64_t rows = -1, bytes = -1;
        if (wants(m, 4) || wants(m, 5))
            exec__ask_size(m->run->e, t, &rows, &bytes);
        m->values[0] = text(t->name);
        m->values[1] = integer((int64_t)t->region);
        m->values[2] = text(r ? r->primary : NULL);
        m->values[3] = r ? name_list(m, r->backups, r->n_backups) : text("");
        m->values[4] = counted(rows);
        m->values[5] = counted(bytes);
        TRY(give(m));
    }
    return NULL;
}

static const char *column_type(struct maker *m, const struct column *c)
{
    return type_label(c->type, c->typmod, &m->arena);
}

static struct error *make_columns(struct maker *m)
{
    for (size_t i = 0; i < m->view->n_tables; i++) {
        const struct table *t = m->view->tables[i];
        for (int c = 0; c < t->n_columns; c++) {
            m->values[0] = text(t->name);
            m->values[1] = text(t->columns[c].name);
            m->values[2] = text(column_type(m, &t->columns[c]));
            m->values[3] = integer(!t->columns[c].not_null);
            m->values[4] = text(t->columns[c].default_sql);
            m->values[5] = integer(c + 1);
            TRY(give(m));
        }
    }
    return NULL;
}

static struct error *give_index(struct maker *m, const struct table *t, const char *name,
                                const int *columns, const bool *descending, int n, bool unique,
                                bool primary)
{
    _cleanup_(buf_done) struct buf b = {0};
    for (int i = 0; i < n; i++)
        buf_printf(&b, "%s%s%s", i > 0 ? ", " : "", t->columns[columns[i]].name,
                   descending && descending[i] ? " DESC" : "");
    m->values[0] = text(t->name);
    m->values[1] = text(name);
    m->values[2] = text(arena_strndup(&m->arena, b.data ? b.data : "", b.len));
    m->values[3] = integer(unique);
    m->values[4] = integer(primary);
    return give(m);
}

static struct error *make_indexes(struct maker *m)
{
    for (size_t i = 0; i < m->view->n_tables; i++) {
        const struct table *t = m->view->tables[i];
        for (int k = 0; k < t->n_keys; k++)
            TRY(give_index(m, t, t->keys[k].name, t->keys[k].columns, NULL, t->keys[k].n_columns,
                           true, t->keys[k].primary));
        for (int k = 0; k < t->n_indexes; k++)
            TRY(give_index(m, t, t->indexes[k].name, t->indexes[k].columns,
                           t->indexes[k].descending, t->indexes[k].n_columns, t->indexes[k].unique,
                           false));
    }
    return NULL;
}

/* ---- PostgreSQL's --------------------------------------------------------------------------- */

enum { NAMESPACE_CATALOG = 11, NAMESPACE_PUBLIC = 2200, FIRST_OID = 16384 };

static struct value oid_of(const struct table *t)
{
    return integer((int64_t)((FIRST_OID + t->id) & 0xffffffff));
}

static struct error *make_pg_namespace(struct maker *m)
{
    m->values[0] = integer(NAMESPACE_CATALOG);
    m->values[1] = text("pg_catalog");
    m->values[2] = integer(10);
    TRY(give(m));
    m->values[0] = integer(NAMESPACE_PUBLIC);
    m->values[1] = text("public");
    m->values[2] = integer(10);
    return give(m);
}

static struct error *make_pg_class(struct maker *m)
{
    for (size_t i = 0; i < m->view->n_tables; i++) {
        const struct table *t = m->view->tables[i];
        int64_t rows = wants(m, 4) ? exec__row_count(m->run->e, t) : -1;
        m->values[0] = oid_of(t);
        m->values[1] = text(t->name);
        m->values[2] = integer(NAMESPACE_PUBLIC);
        m->values[3] = integer(10);
        m->values[4] = real((double)rows);
        m->values[5] = text("r");
        m->values[6] = text("p");
        m->values[7] = integer(t->n_keys > 0 || t->n_indexes > 0);
        m->values[8] = integer(false);
        m->values[9] = integer(t->n_columns);
        TRY(give(m));
    }
    return NULL;
}

static struct error *make_pg_attribute(struct maker *m)
{
    for (size_t i = 0; i < m->view->n_tables; i++) {
        const struct table *t = m->view->tables[i];
        for (int c = 0; c < t->n_columns; c++) {
            const struct type *type = type_by_oid(t->columns[c].type);
            m->values[0] = oid_of(t);
            m->values[1] = text(t->columns[c].name);
            m->values[2] = integer(t->columns[c].type);
            m->values[3] = integer(type ? type->size : -1);
            m->values[4] = integer(c + 1);
            m->values[5] = integer(t->columns[c].typmod);
            m->values[6] = integer(t->columns[c].not_null);
            m->values[7] = integer(t->columns[c].default_sql != NULL);
            m->values[8] = integer(false);
            TRY(give(m));
        }
    }
    return NULL;
}

static struct error *make_pg_type(struct maker *m)
{
    for (uint32_t oid = 1; oid < 10000; oid++) {
        const struct type *t = type_by_oid(oid);
        if (!t)
            continue;
        m->values[0] = integer(oid);
        m->values[1] = text(t->name);
        m->values[2] = integer(NAMESPACE_CATALOG);
        m->values[3] = integer(t->size);
        m->values[4] = text(t->category == 'P' ? "p" : "b");
        m->values[5] = text(arena_printf(&m->arena, "%c", t->category));
        m->values[6] = integer(0);
        m->values[7] = integer(0);
        m->values[8] = integer(0);
        TRY(give(m));
    }
    return NULL;
}

static struct error *make_pg_database(struct maker *m)
{
    m->values[0] = integer(5);
    m->values[1] = text("minisql");
    m->values[2] = integer(6);
    m->values[3] = integer(true);
    return give(m);
}

static struct error *make_pg_tables(struct maker *m)
{
    for (size_t i = 0; i < m->view->n_tables; i++) {
        m->values[0] = text("public");
        m->values[1] = text(m->view->tables[i]->name);
        m->values[2] = text("minisql");
        TRY(give(m));
    }
    return NULL;
}

/* ---- the tables ----------------------------------------------------------------------------- */

static const struct system_spec specs[] = {
    {"minisql_servers",
     make_servers,
     {{"name", OID_TEXT},
      {"address", OID_TEXT},
      {"roles", OID_TEXT},
      {"status", OID_TEXT},
      {"master", OID_BOOL},
      {"tables", OID_INT8},
      {"records", OID_INT8},
      {"bytes", OID_INT8},
      {"started", OID_TEXT}}},
    {"minisql_regions",
     make_regions,
     {{"region", OID_INT8},
      {"tables", OID_TEXT},
      {"epoch", OID_INT8},
      {"primary_server", OID_TEXT},
      {"backups", OID_TEXT},
      {"learners", OID_TEXT},
      {"status", OID_TEXT},
      {"copies", OID_INT4},
      {"progress", OID_TEXT}}},
    {"minisql_learners",
     make_learners,
     {{"region", OID_INT8},
      {"server", OID_TEXT},
      {"state", OID_TEXT},
      {"done_bytes", OID_INT8},
      {"total_bytes", OID_INT8},
      {"bytes_per_second", OID_INT8},
      {"seconds_left", OID_INT8},
      {"received_bytes", OID_INT8},
      {"entries_behind", OID_INT8},
      {"message", OID_TEXT}}},
    {"minisql_tables",
     make_tables,
     {{"name", OID_TEXT},
      {"region", OID_INT8},
      {"primary_server", OID_TEXT},
      {"backups", OID_TEXT},
      {"records", OID_INT8},
      {"bytes", OID_INT8}}},
    {"minisql_columns",
     make_columns,
     {{"table_name", OID_TEXT},
      {"column_name", OID_TEXT},
      {"type", OID_TEXT},
      {"nullable", OID_BOOL},
      {"default_value", OID_TEXT},
      {"position", OID_INT4}}},
    {"minisql_indexes",
     make_indexes,
     {{"table_name", OID_TEXT},
      {"index_name", OID_TEXT},
      {"columns", OID_TEXT},
      {"is_unique", OID_BOOL},
      {"is_primary", OID_BOOL}}},
    {"pg_namespace",
     make_pg_namespace,
     {{"oid", OID_OID}, {"nspname", OID_NAME}, {"nspowner", OID_OID}}},
    {"pg_class",
     make_pg_class,
     {{"oid", OID_OID},
      {"relname", OID_NAME},
      {"relnamespace", OID_OID},
      {"relowner", OID_OID},
      {"reltuples", OID_FLOAT4},
      {"relkind", OID_TEXT},
      {"relpersistence", OID_TEXT},
      {"relhasindex", OID_BOOL},
      {"relispartition", OID_BOOL},
      {"relnatts", OID_INT2}}},
    {"pg_attribute",
     make_pg_attribute,
     {{"attrelid", OID_OID},
      {"attname", OID_NAME},
      {"atttypid", OID_OID},
      {"attlen", OID_INT2},
      {"attnum", OID_INT2},
      {"atttypmod", OID_INT4},
      {"attnotnull", OID_BOOL},
      {"atthasdef", OID_BOOL},
      {"attisdropped", OID_BOOL}}},
    {"pg_type",
     make_pg_type,
     {{"oid", OID_OID},
      {"typname", OID_NAME},
      {"typnamespace", OID_OID},
      {"typlen", OID_INT2},
      {"typtype", OID_TEXT},
      {"typcategory", OID_TEXT},
      {"typrelid", OID_OID},
      {"typelem", OID_OID},
      {"typbasetype", OID_OID}}},
    {"pg_database",
     make_pg_database,
     {{"oid", OID_OID}, {"datname", OID_NAME}, {"encoding", OID_INT4}, {"datallowconn", OID_BOOL}}},
    {"pg_tables",
     make_pg_tables,
     {{"schemaname", OID_NAME}, {"tablename", OID_NAME}, {"tableowner", OID_NAME}}},
};

static struct table tables[ARRAY_LEN(specs)];
static struct column columns[ARRAY_LEN(specs)][16];
static const struct table *table_list[ARRAY_LEN(specs)];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_list(void)
{
    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        struct table *t = &tables[i];
        t->schema = (char *)"pg_catalog";
        t->name = (char *)specs[i].name;
        t->columns = columns[i];
        for (const struct column_spec *c = specs[i].columns; t->n_columns < 16 && c->name; c++)
            columns[i][t->n_columns++] =
                (struct column){.name = (char *)c->name, .type = c->type, .typmod = -1};
        table_list[i] = t;
    }
}

const struct table *const *exec_system_tables(int *ret_n)
{
    pthread_once(&once, make_list);
    *ret_n = (int)ARRAY_LEN(specs);
    return table_list;
}

struct error *exec__system_rows(struct run *r, const struct plan_scan *scan, exec__row_fn row,
                                void *ctx)
{
    struct maker m = {.run = r, .scan = scan, .row = row, .ctx = ctx};
    struct error *e = error_new(E_INTERNAL, "no such system table");
    m.view = catalog_view(r->e->catalog);
    for (size_t i = 0; i < ARRAY_LEN(specs); i++)
        if (scan->rte->table == &tables[i]) {
            error_free(e);
            e = specs[i].make(&m);
            break;
        }
    catalog_unref(m.view);
    arena_done(&m.arena);
    return e;
}
