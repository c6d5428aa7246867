/*
 * Brings a region's file to the catalog's schema. The catalog says what should be; the file says,
 * in its table minisql_tables (name, id) and in sqlite_schema, what is; the difference is DDL,
 * which goes through the log like any write. A table is known by its id, so one that was dropped
 * and created again under its name is a new table.
 */
#include "region/region_int.h"

#include <sqlite3.h>

static void put_name(struct buf *out, const char *name, char quote)
{
    buf_put8(out, (uint8_t)quote);
    for (; *name; name++) {
        if (*name == quote)
            buf_put8(out, (uint8_t)quote);
        buf_put8(out, (uint8_t)*name);
    }
    buf_put8(out, (uint8_t)quote);
}

/* Calls back with (name, id) of each row of a two-column query. */
static struct error *each(struct region_replica *p, const char *sql,
                          void (*row)(void *ctx, const char *name, uint64_t id), void *ctx)
{
    struct store_conn *c = store_writer(p->store);
    sqlite3_stmt *stmt;
    TRY(store_prepare(c, sql, strlen(sql), &stmt));
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        if (name)
            row(ctx, name, (uint64_t)sqlite3_column_int64(stmt, 1));
    }
    struct error *e = rc == SQLITE_DONE ? NULL : types_sqlite_error(store_db(c), rc);
    store_release(c, stmt);
    return e;
}

struct diff {
    struct region_replica *p;
    const struct catalog_view *view;
    struct map tables;  /* ids that the file has and keeps */
    struct map indexes; /* names that the file has and keeps */
    struct buf *sql;
};

static void seen_table(void *ctx, const char *name, uint64_t id)
{
    struct diff *d = ctx;
    const struct table *t = catalog_table_by_id(d->view, id);
    if (t && t->region == d->p->id) {
        map_put_u64(&d->tables, id, d);
        return;
    }
    buf_puts(d->sql, "DROP TABLE IF EXISTS ");
    put_name(d->sql, name, '"');
    buf_printf(d->sql, ";\nDELETE FROM minisql_tables WHERE id = %llu;\n", (unsigned long long)id);
}

static void seen_index(void *ctx, const char *name, uint64_t unused)
{
    struct diff *d = ctx;
    (void)unused;
    for (size_t i = 0; i < d->view->n_tables; i++) {
        const struct table *t = d->view->tables[i];
        for (int k = 0; t->region == d->p->id && k < t->n_indexes; k++) {
            if (strcmp(t->indexes[k].name, name) == 0) {
                map_put_str(&d->indexes, name, d);
                return;
            }
        }
    }
    buf_puts(d->sql, "DROP INDEX IF EXISTS ");
    put_name(d->sql, name, '"');
    buf_puts(d->sql, ";\n");
}

static void add_missing(struct diff *d, const struct table *t)
{
    if (!map_get_u64(&d->tables, t->id)) {
        buf_printf(d->sql, "%s;\nINSERT INTO minisql_tables (id, name) VALUES (%llu, ", t->ddl,
                   (unsigned long long)t->id);
        put_name(d->sql, t->name, '\'');
        buf_puts(d->sql, ");\n");
    }
    for (int i = 0; i < t->n_indexes; i++)
        if (!map_get_str(&d->indexes, t->indexes[i].name))
            buf_printf(d->sql, "%s;\n", t->indexes[i].ddl);
}

struct error *region__schema_changes(struct region_replica *p, const struct catalog_view *view,
                                     struct buf *ret_sql)
{
    TRY(store_wake(p->store));
    struct diff d = {.p = p, .view = view, .sql = ret_sql};
    buf_puts(ret_sql, "CREATE TABLE IF NOT EXISTS minisql_tables"
                      " (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;\n");
    bool known = false;
    struct error *e = NULL;
    sqlite3_stmt *stmt;
    static const char probe[] =
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'minisql_tables'";
    struct store_conn *c = store_writer(p->store);
    e = store_prepare(c, probe, sizeof(probe) - 1, &stmt);
    if (!e) {
        known = sqlite3_step(stmt) == SQLITE_ROW;
        store_release(c, stmt);
    }
    if (!e)
        e = each(p,
                 "SELECT name, 0 FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
                 " AND name NOT LIKE 'minisql^_%' ESCAPE '^'",
                 seen_index, &d);
    if (!e && known)
        e = each(p, "SELECT name, id FROM minisql_tables", seen_table, &d);
    for (size_t i = 0; !e && i < view->n_tables; i++)
        if (view->tables[i]->region == p->id)
            add_missing(&d, view->tables[i]);
    map_done(&d.tables);
    map_done(&d.indexes);
    return e;
}
