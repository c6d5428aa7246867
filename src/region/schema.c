/*
 * Brings a region's file to the catalog's schema. The catalog says what should be; the file says,
 * in its table minisql_tables (name, id) and in sqlite_schema, what is; the difference is DDL,
 * which goes through the log like any write. A table is known by its id, so one that was dropped
 * and created again under its name is a new table.
 *
 * With the schema, the file gets the catalog's own records of its tables (minisql_records: table's
 * id, version, JSON) and, under id 0, of the region: so that the coordination store's content can
 * be made anew from the files alone (`minisql recover store`). They are written by the same DDL, so
 * each copy has them.
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
    struct map records; /* table's id -> version + 1 of its record in the file */
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
            if (strcmp(index_file_name(&t->indexes[k]), name) == 0) {
                map_put_str(&d->indexes, name, d);
                return;
            }
        }
    }
    buf_puts(d->sql, "DROP INDEX IF EXISTS ");
    put_name(d->sql, name, '"');
    buf_puts(d->sql, ";\n");
}

static void add_column(struct diff *d, const struct table *t, const struct column *c)
{
    buf_puts(d->sql, "ALTER TABLE ");
    put_name(d->sql, table_file_name(t), '"');
    buf_printf(d->sql, " ADD COLUMN %s;\n", c->added);
}

static void add_missing(struct diff *d, const struct table *t)
{
    if (!map_get_u64(&d->tables, t->id)) {
        buf_printf(d->sql, "%s;\nINSERT INTO minisql_tables (id, name) VALUES (%llu, ", t->ddl,
                   (unsigned long long)t->id);
        put_name(d->sql, table_file_name(t), '\'');
        buf_puts(d->sql, ");\n");
        for (int i = 0; i < t->n_columns; i++)
            if (t->columns[i].added)
                add_column(d, t, &t->columns[i]);
    }
    for (int i = 0; i < t->n_indexes; i++)
        if (!map_get_str(&d->indexes, index_file_name(&t->indexes[i])))
            buf_printf(d->sql, "%s;\n", t->indexes[i].ddl);
}

/* ---- records ---------------------------------------------------------------------------------
 */

static void put_record(struct buf *sql, uint64_t id, uint64_t version, const char *text)
{
    buf_printf(sql,
               "INSERT OR REPLACE INTO minisql_records (id, version, record) VALUES (%llu, "
               "%llu, ",
               (unsigned long long)id, (unsigned long long)version);
    put_name(sql, text, '\'');
    buf_puts(sql, ");\n");
}

static void seen_record(void *ctx, const char *version, uint64_t id)
{
    struct diff *d = ctx;
    const struct table *t = catalog_table_by_id(d->view, id);
    if (id == 0 || (t && t->region == d->p->id))
        map_put_u64(&d->records, id, (void *)(uintptr_t)(strtoull(version, NULL, 10) + 1));
    else
        buf_printf(d->sql, "DELETE FROM minisql_records WHERE id = %llu;\n",
                   (unsigned long long)id);
}

static bool any_row(struct region_replica *p, const char *sql);

/* From the file's record to the catalog's, of a table that the file has. */
static void add_missing_columns(struct diff *d, const struct table *t)
{
    for (int i = 0; i < t->n_columns; i++) {
        if (!t->columns[i].added)
            continue;
        _cleanup_(buf_done) struct buf has = {0};
        buf_puts(&has, "SELECT 1 FROM pragma_table_info(");
        put_name(&has, table_file_name(t), '\'');
        buf_puts(&has, ") WHERE name = ");
        put_name(&has, t->columns[i].name, '\'');
        if (!any_row(d->p, has.data))
            add_column(d, t, &t->columns[i]);
    }
}

static struct error *describe_table(struct diff *d, const struct table *t)
{
    if ((uintptr_t)map_get_u64(&d->records, t->id) == t->version + 1)
        return NULL;
    if (map_get_u64(&d->tables, t->id))
        add_missing_columns(d, t);
    _cleanup_(mem_freep) char *text = NULL;
    TRY(catalog_table_text(t, &text));
    put_record(d->sql, t->id, t->version, text);
    return NULL;
}

static struct error *describe_region(struct diff *d)
{
    const struct region *r = catalog_region(d->view, d->p->id);
    _cleanup_(mem_freep) char *text = NULL;
    if (!r)
        return NULL;
    TRY(catalog_region_text(r, &text));
    put_record(d->sql, 0, r->schema_version, text);
    return NULL;
}

/* ---- all of it -------------------------------------------------------------------------------
 */

/* Does the query give a row? One about a table that does not exist doesn't. */
static bool any_row(struct region_replica *p, const char *sql)
{
    sqlite3_stmt *stmt;
    struct store_conn *c = store_writer(p->store);
    struct error *e = store_prepare(c, sql, strlen(sql), &stmt);
    if (e) {
        error_free(e);
        return false;
    }
    bool any = sqlite3_step(stmt) == SQLITE_ROW;
    store_release(c, stmt);
    return any;
}

bool region__is_described(struct region_replica *p)
{
    p->described = p->described || any_row(p, "SELECT 1 FROM minisql_records WHERE id = 0");
    return p->described;
}

/* The region's record goes last: with it the file is described. What is too much for one log entry
 * (many tables in a file of an older version) is left for the next time. */
static struct error *describe(struct diff *d)
{
    enum { ENOUGH_BYTES = 1024 * 1024 };
    if (any_row(d->p, "SELECT 1 FROM minisql_records"))
        TRY(each(d->p, "SELECT version, id FROM minisql_records", seen_record, d));
    for (size_t i = 0; i < d->view->n_tables; i++) {
        if (d->sql->len > ENOUGH_BYTES)
            return NULL;
        if (d->view->tables[i]->region == d->p->id)
            TRY(describe_table(d, d->view->tables[i]));
    }
    return describe_region(d);
}

static struct error *compare(struct diff *d)
{
    struct region_replica *p = d->p;
    buf_puts(d->sql, "CREATE TABLE IF NOT EXISTS minisql_tables"
                     " (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;\n"
                     "CREATE TABLE IF NOT EXISTS minisql_records (id INTEGER PRIMARY KEY,"
                     " version INTEGER NOT NULL, record TEXT NOT NULL) STRICT;\n");
    TRY(each(p,
             "SELECT name, 0 FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
             " AND name NOT LIKE 'minisql^_%' ESCAPE '^'",
             seen_index, d));
    if (any_row(p, "SELECT 1 FROM minisql_tables"))
        TRY(each(p, "SELECT name, id FROM minisql_tables", seen_table, d));
    for (size_t i = 0; i < d->view->n_tables; i++)
        if (d->view->tables[i]->region == p->id)
            add_missing(d, d->view->tables[i]);
    return describe(d);
}

struct error *region__schema_changes(struct region_replica *p, const struct catalog_view *view,
                                     struct buf *ret_sql)
{
    TRY(store_wake(p->store));
    struct diff d = {.p = p, .view = view, .sql = ret_sql};
    struct error *e = compare(&d);
    map_done(&d.tables);
    map_done(&d.indexes);
    map_done(&d.records);
    return e;
}
