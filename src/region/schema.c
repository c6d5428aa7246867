/*
 * Brings a region's file to the catalog's schema. The catalog says what should be; the file says,
 * in its table minisql_tables (name, id) and in sqlite_schema, what is; the difference is DDL,
 * which goes through the log like any write. A table is known by its id, so one that was dropped
 * and created again under its name is a new table.
 *
 * All of this is looked at once in a primary's reign. Where the file has many tables, the view that
 * it was brought to is kept (p->matched); from then on only tables whose records are others in the
 * view than in that one are looked up in the file. So a record that both views share must say what
 * the file has, and nothing but a change of the record may change a table's shape in the file.
 *
 * With the schema, the file gets the catalog's own records of its tables (minisql_records: table's
 * id, version, JSON) and, under id 0, of the region: so that the coordination store's content can
 * be made anew from the files alone (`minisql recover store`). They are written by the same DDL, so
 * each copy has them.
 *
 * Triggers (table->triggers) are all dropped before a change and made anew after it, since SQLite
 * looks at them when a table gets another name. The text that the file has is in minisql_triggers.
 *
 * A table that changes its shape
 *
 * A table's record has the SQLite text of it as it should be (table->ddl). When the record is newer
 * than the file's and the text is another one than sqlite_schema has, the file is brought there,
 * in one of two ways:
 *
 *   the rows stay    Where they would be stored in the same way, or only miss columns at the end,
 *                    the text in sqlite_schema is replaced: constraints and defaults come and go,
 *                    and columns come, which rows of before have with their DEFAULT (so that has
 *                    to stay in the text: column->added). It takes no longer for a large table.
 *   they are copied  Else a new table takes the place of the old one, with the rows' values in all
 *                    columns that both have by the same name, and the rowids. Foreign keys are off
 *                    meanwhile, so nothing cascades. Indexes are made anew.
 *
 * Neither looks at the rows' values: whoever changes the record has seen to it that they satisfy
 * the new constraints, and has brought the file himself to where a name or a type would be lost
 * (a column that is renamed or gets another type). He does so in the transaction that changes the
 * record, on the region's writer: query->alter_table in sql/sql.h, carried out by
 * minisqld/schema.c. As that transaction's changes of the file and of the catalog are decided by
 * one entry of the region's log (exec/draft.c), neither is ever seen without the other.
 */
#include "region/region_int.h"

#include <sqlite3.h>
#include <strings.h>

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

/* Calls back with (name, id) of each row of a two-column query, whose parameters are an id and a
 * name. */
static struct error *each_of(struct region_replica *p, const char *sql, uint64_t id,
                             const char *name_of,
                             void (*row)(void *ctx, const char *name, uint64_t id), void *ctx)
{
    struct store_conn *c = store_writer(p->store);
    sqlite3_stmt *stmt;
    TRY(store_prepare(c, sql, strlen(sql), &stmt));
    sqlite3_bind_int64(stmt, 1, (int64_t)id);
    sqlite3_bind_text(stmt, 2, name_of, -1, SQLITE_STATIC);
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

static struct error *each(struct region_replica *p, const char *sql,
                          void (*row)(void *ctx, const char *name, uint64_t id), void *ctx)
{
    return each_of(p, sql, 0, NULL, row, ctx);
}

struct diff {
    struct region_replica *p;
    const struct catalog_view *view;
    struct map tables;              /* ids that the file has and keeps */
    struct map wanted;              /* names of indexes that the catalog has */
    struct map indexes;             /* names that the file has and keeps */
    struct map records;             /* table's id -> version + 1 of its record in the file */
    const struct table **tables_of; /* of the region: all, or those that differ from `matched` */
    size_t n_tables;
    struct arena arena;
    struct buf *sql;
};

static void drop_table(struct diff *d, const char *name, uint64_t id)
{
    buf_puts(d->sql, "DROP TABLE IF EXISTS ");
    put_name(d->sql, name, '"');
    buf_printf(d->sql, ";\nDELETE FROM minisql_tables WHERE id = %llu;\n", (unsigned long long)id);
}

static void seen_table(void *ctx, const char *name, uint64_t id)
{
    struct diff *d = ctx;
    const struct table *t = catalog_table_by_id(d->view, id);
    if (t && t->region == d->p->id) {
        map_put_u64(&d->tables, id, d);
        return;
    }
    drop_table(d, name, id);
}

static void list_wanted(struct diff *d)
{
    for (size_t i = 0; i < d->n_tables; i++)
        for (int k = 0; k < d->tables_of[i]->n_indexes; k++)
            map_put_str(&d->wanted, index_file_name(&d->tables_of[i]->indexes[k]), d);
}

static void seen_index(void *ctx, const char *name, uint64_t unused)
{
    struct diff *d = ctx;
    (void)unused;
    if (map_get_str(&d->wanted, name)) {
        map_put_str(&d->indexes, name, d);
        return;
    }
    buf_puts(d->sql, "DROP INDEX IF EXISTS ");
    put_name(d->sql, name, '"');
    buf_puts(d->sql, ";\n");
}

static void add_indexes(struct diff *d, const struct table *t, bool all)
{
    for (int i = 0; i < t->n_indexes; i++)
        if (all || !map_get_str(&d->indexes, index_file_name(&t->indexes[i])))
            buf_printf(d->sql, "%s;\n", t->indexes[i].ddl);
}

static void create(struct diff *d, const struct table *t)
{
    buf_printf(d->sql, "%s;\nINSERT INTO minisql_tables (id, name) VALUES (%llu, ", t->ddl,
               (unsigned long long)t->id);
    put_name(d->sql, table_file_name(t), '\'');
    buf_puts(d->sql, ");\n");
    add_indexes(d, t, false);
}

/* ---- another shape --------------------------------------------------------------------------- */

/* How a table's text has its rows stored. */
struct layout {
    struct arena arena;
    int n_columns;
    const char **names, **columns; /* all that matters of each, the name too */
    bool *generated;
    bool has_rowid_column;
    const char *indexes; /* those that SQLite makes for PRIMARY KEY and UNIQUE */
};

static void layout_done(struct layout *l)
{
    arena_done(&l->arena);
}

static struct error *read_columns(sqlite3 *db, const char *table, sqlite3_stmt *stmt,
                                  struct layout *l)
{
    int rc, pk_parts = 0;
    bool integer = false;
    l->names = ARENA_ARRAY(&l->arena, const char *, sqlite3_limit(db, SQLITE_LIMIT_COLUMN, -1));
    l->columns = ARENA_ARRAY(&l->arena, const char *, sqlite3_limit(db, SQLITE_LIMIT_COLUMN, -1));
    l->generated = ARENA_ARRAY(&l->arena, bool, sqlite3_limit(db, SQLITE_LIMIT_COLUMN, -1));
    for (; (rc = sqlite3_step(stmt)) == SQLITE_ROW; l->n_columns++) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0), *collation = "";
        const char *type = (const char *)sqlite3_column_text(stmt, 1);
        int pk = sqlite3_column_int(stmt, 2), hidden = sqlite3_column_int(stmt, 3);
        sqlite3_table_column_metadata(db, "main", table, name, NULL, &collation, NULL, NULL, NULL);
        pk_parts += pk > 0;
        integer |= pk == 1 && strcasecmp(type, "INTEGER") == 0;
        l->names[l->n_columns] = arena_strdup(&l->arena, name);
        l->columns[l->n_columns] =
            arena_printf(&l->arena, "%s %s %s %d %d", name, type, collation, pk, hidden);
        l->generated[l->n_columns] = hidden != 0;
    }
    l->has_rowid_column = integer && pk_parts == 1;
    return rc == SQLITE_DONE ? NULL : types_sqlite_error(db, rc);
}

static struct error *read_indexes(sqlite3 *db, sqlite3_stmt *stmt, struct layout *l)
{
    int rc;
    l->indexes = "";
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        l->indexes = arena_printf(&l->arena, "%s, %s", l->indexes,
                                  (const char *)sqlite3_column_text(stmt, 0));
    return rc == SQLITE_DONE ? NULL : types_sqlite_error(db, rc);
}

static struct error *read_layout(sqlite3 *db, const char *table, const char *text, struct layout *l)
{
    static const char *const queries[] = {
        "SELECT name, type, pk, hidden FROM pragma_table_xinfo(?1) ORDER BY cid",
        "SELECT format('%s %s %d %s', l.name, x.name, x.desc, x.coll) FROM pragma_index_list(?1) l,"
        " pragma_index_xinfo(l.name) x WHERE x.key ORDER BY l.name, x.seqno"};
    int rc = sqlite3_exec(db, text, NULL, NULL, NULL);
    struct error *e = rc ? types_sqlite_error(db, rc) : NULL;
    for (size_t i = 0; i < ARRAY_LEN(queries) && !e; i++) {
        sqlite3_stmt *stmt;
        rc = sqlite3_prepare_v2(db, queries[i], -1, &stmt, NULL);
        if (rc)
            return types_sqlite_error(db, rc);
        sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
        e = i ? read_indexes(db, stmt, l) : read_columns(db, table, stmt, l);
        sqlite3_finalize(stmt);
    }
    return e;
}

/* In a database of its own, in memory: it may be a text that the file does not have yet. */
static struct error *layout_of(const char *table, const char *text, struct layout *l)
{
    sqlite3 *db;
    int rc = sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, NULL);
    struct error *e = rc ? types_sqlite_error(db, rc) : types_register(db);
    if (!e)
        e = read_layout(db, table, text, l);
    sqlite3_close(db);
    return e;
}

/* Can rows that were written under one be read under the other? */
static bool rows_fit(const struct layout *now, const struct layout *next)
{
    bool same = now->n_columns <= next->n_columns && strcmp(now->indexes, next->indexes) == 0;
    for (int i = 0; same && i < next->n_columns; i++)
        same = i < now->n_columns ? strcmp(now->columns[i], next->columns[i]) == 0
                                  : !next->generated[i];
    return same;
}

static bool has_column(const struct layout *l, const char *name)
{
    for (int i = 0; i < l->n_columns; i++)
        if (strcasecmp(l->names[i], name) == 0)
            return true;
    return false;
}

/* A name of the rowid in both; NULL: it need not be copied, or can't. */
static const char *rowid_of(const struct layout *now, const struct layout *next)
{
    static const char *const names[] = {"rowid", "_rowid_", "oid"};
    for (size_t i = 0; i < ARRAY_LEN(names) && !next->has_rowid_column; i++)
        if (!has_column(now, names[i]) && !has_column(next, names[i]))
            return names[i];
    return NULL;
}

static void put_columns(struct buf *sql, const struct layout *now, const struct layout *next)
{
    const char *rowid = rowid_of(now, next), *comma = "";
    if (rowid) {
        put_name(sql, rowid, '"');
        comma = ", ";
    }
    for (int i = 0; i < next->n_columns; i++) {
        if (next->generated[i] || !has_column(now, next->names[i]))
            continue;
        buf_puts(sql, comma);
        put_name(sql, next->names[i], '"');
        comma = ", ";
    }
    if (!*comma)
        put_name(sql, "rowid", '"');
}

/* The text begins with CREATE TABLE and the name, quoted. */
static struct error *copy_rows(struct diff *d, const struct table *t, const struct layout *now,
                               const struct layout *next)
{
    static const char *const spare = "\"minisql_next\"";
    _cleanup_(buf_done) struct buf head = {0};
    buf_puts(&head, "CREATE TABLE ");
    put_name(&head, table_file_name(t), '"');
    if (strncmp(t->ddl, head.data, head.len) != 0)
        return error_new(E_DAMAGED, "the record of table \"%s\" has the text of another one",
                         t->name);
    buf_printf(d->sql, "CREATE TABLE %s%s;\nINSERT INTO %s (", spare, t->ddl + head.len, spare);
    put_columns(d->sql, now, next);
    buf_puts(d->sql, ") SELECT ");
    put_columns(d->sql, now, next);
    buf_puts(d->sql, " FROM ");
    put_name(d->sql, table_file_name(t), '"');
    buf_puts(d->sql, ";\nDROP TABLE ");
    put_name(d->sql, table_file_name(t), '"');
    buf_printf(d->sql, ";\nALTER TABLE %s RENAME TO ", spare);
    put_name(d->sql, table_file_name(t), '"');
    buf_puts(d->sql, ";\n");
    return NULL;
}

/* The connection reads its schema anew; that something is created and dropped tells the others to
 * do so, and this one that it has to when the transaction is rolled back. */
static void replace_text(struct diff *d, const struct table *t)
{
    buf_puts(d->sql, "PRAGMA writable_schema = ON;\nUPDATE sqlite_schema SET sql = ");
    put_name(d->sql, t->ddl, '\'');
    buf_puts(d->sql, " WHERE type = 'table' AND name = ");
    put_name(d->sql, table_file_name(t), '\'');
    buf_puts(d->sql,
             ";\nPRAGMA writable_schema = RESET;\nCREATE VIEW minisql_changed AS SELECT 1;\n"
             "DROP VIEW minisql_changed;\n");
}

/* What sqlite_schema says of the table; NULL: nothing. The caller frees it. */
static struct error *file_text(struct region_replica *p, const struct table *t, char **ret)
{
    struct store_conn *c = store_writer(p->store);
    static const char *const sql =
        "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?";
    sqlite3_stmt *stmt;
    TRY(store_prepare(c, sql, strlen(sql), &stmt));
    sqlite3_bind_text(stmt, 1, table_file_name(t), -1, SQLITE_STATIC);
    int rc = sqlite3_step(stmt);
    struct error *e =
        rc == SQLITE_ROW || rc == SQLITE_DONE ? NULL : types_sqlite_error(store_db(c), rc);
    const char *text = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    *ret = text ? mem_strdup(text) : NULL;
    store_release(c, stmt);
    return e;
}

static struct error *reshape(struct diff *d, const struct table *t, bool *ret_copied)
{
    _cleanup_(mem_freep) char *text = NULL;
    *ret_copied = false;
    TRY(file_text(d->p, t, &text));
    if (!text || strcmp(text, t->ddl) == 0)
        return NULL;
    _cleanup_(layout_done) struct layout now = {0};
    _cleanup_(layout_done) struct layout next = {0};
    TRY(layout_of(table_file_name(t), text, &now));
    TRY(layout_of(table_file_name(t), t->ddl, &next));
    *ret_copied = !rows_fit(&now, &next);
    if (*ret_copied)
        TRY(copy_rows(d, t, &now, &next));
    replace_text(d, t);
    return NULL;
}

/* From the file's record to the catalog's, of a table that the file has. */
static struct error *follow(struct diff *d, const struct table *t)
{
    bool copied = false;
    if ((uintptr_t)map_get_u64(&d->records, t->id) != t->version + 1)
        TRY(reshape(d, t, &copied));
    add_indexes(d, t, copied);
    return NULL;
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

static struct error *describe_table(struct diff *d, const struct table *t)
{
    if ((uintptr_t)map_get_u64(&d->records, t->id) == t->version + 1)
        return NULL;
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
static struct error *describe(struct diff *d, bool *ret_all)
{
    enum { ENOUGH_BYTES = 1024 * 1024 };
    *ret_all = false;
    for (size_t i = 0; i < d->n_tables; i++) {
        if (d->sql->len > ENOUGH_BYTES)
            return NULL;
        TRY(describe_table(d, d->tables_of[i]));
    }
    *ret_all = true;
    return describe_region(d);
}

static void add_table(struct diff *d, const struct table *t)
{
    d->tables_of[d->n_tables++] = t;
}

/* What the file has, all of it. */
static struct error *look(struct diff *d)
{
    struct region_replica *p = d->p;
    d->tables_of = ARENA_ARRAY(&d->arena, const struct table *, d->view->n_tables + 1);
    for (size_t i = 0; i < d->view->n_tables; i++)
        if (d->view->tables[i]->region == p->id)
            add_table(d, d->view->tables[i]);
    list_wanted(d);
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
    if (any_row(p, "SELECT 1 FROM minisql_records"))
        TRY(each(p, "SELECT version, id FROM minisql_records", seen_record, d));
    return NULL;
}

/* What the file has of a table that has changed; what is to go from there comes first in the text.
 */
static struct error *look_at(void *ctx, const struct table *was, const struct table *is)
{
    struct diff *d = ctx;
    struct region_replica *p = d->p;
    uint64_t id = is ? is->id : was->id;
    if ((is ? is : was)->region != p->id)
        return NULL;
    if (is) {
        add_table(d, is);
        for (int k = 0; k < is->n_indexes; k++)
            map_put_str(&d->wanted, index_file_name(&is->indexes[k]), d);
    }
    TRY(each_of(p, "SELECT name, id FROM minisql_tables WHERE id = ?1", id, NULL, seen_table, d));
    TRY(each_of(p, "SELECT version, id FROM minisql_records WHERE id = ?1", id, NULL, seen_record,
                d));
    if (!is || !map_get_u64(&d->tables, id))
        return NULL;
    return each_of(p, "SELECT name, ?1 FROM pragma_index_list(?2) WHERE origin = 'c'", id,
                   table_file_name(is), seen_index, d);
}

static struct error *count_change(void *ctx, const struct table *was, const struct table *is)
{
    size_t *n = ctx;
    (void)was;
    *n += is != NULL;
    return NULL;
}

static struct error *look_since(struct diff *d, const struct catalog_view *matched)
{
    size_t n = 0;
    TRY(catalog_each_change(matched, d->view, count_change, &n));
    d->tables_of = ARENA_ARRAY(&d->arena, const struct table *, n + 1);
    return catalog_each_change(matched, d->view, look_at, d);
}

/* ---- triggers -------------------------------------------------------------------------------- */

static void drop_trigger(void *ctx, const char *name, uint64_t unused)
{
    struct buf *sql = ctx;
    (void)unused;
    buf_puts(sql, "DROP TRIGGER IF EXISTS ");
    put_name(sql, name, '"');
    buf_puts(sql, ";\n");
}

static void same_text(void *ctx, const char *text, uint64_t unused)
{
    struct buf *now = ctx;
    (void)unused;
    buf_puts(now, text);
}

static void wanted_triggers(const struct diff *d, struct buf *out)
{
    for (size_t i = 0; i < d->view->n_tables; i++)
        if (d->view->tables[i]->region == d->p->id && d->view->tables[i]->triggers)
            buf_puts(out, d->view->tables[i]->triggers);
}

/* Puts them around `body`, all other changes. */
static struct error *around_triggers(struct diff *d, const struct buf *body, struct buf *ret_sql)
{
    _cleanup_(buf_done) struct buf now = {0}, wanted = {0};
    wanted_triggers(d, &wanted);
    bool had = any_row(d->p, "SELECT 1 FROM minisql_triggers");
    if (had)
        TRY(each(d->p, "SELECT text, 0 FROM minisql_triggers", same_text, &now));
    bool same = now.len == wanted.len && (!now.len || memcmp(now.data, wanted.data, now.len) == 0);
    bool touch = (now.len || wanted.len) && (body->len || !same);
    if (touch && had)
        TRY(each(d->p, "SELECT name, 0 FROM sqlite_schema WHERE type = 'trigger'", drop_trigger,
                 ret_sql));
    if (body->len)
        buf_append(ret_sql, body->data, body->len);
    if (!touch)
        return NULL;
    buf_puts(ret_sql, "CREATE TABLE IF NOT EXISTS minisql_triggers (text TEXT NOT NULL) STRICT;\n"
                      "DELETE FROM minisql_triggers;\n");
    if (!wanted.len)
        return NULL;
    buf_append(ret_sql, wanted.data, wanted.len);
    buf_puts(ret_sql, "INSERT INTO minisql_triggers (text) VALUES (");
    put_name(ret_sql, wanted.data, '\'');
    buf_puts(ret_sql, ");\n");
    return NULL;
}

static struct error *compare(struct diff *d, const struct catalog_view *matched, bool *ret_all)
{
    TRY(matched ? look_since(d, matched) : look(d));
    for (size_t i = 0; i < d->n_tables; i++) {
        const struct table *t = d->tables_of[i];
        if (map_get_u64(&d->tables, t->id))
            TRY(follow(d, t));
        else
            create(d, t);
    }
    return describe(d, ret_all);
}

struct error *region__schema_changes(struct region_replica *p, const struct catalog_view *matched,
                                     const struct catalog_view *view, struct buf *ret_sql,
                                     bool *ret_match)
{
    enum { MANY_TABLES = 16 };
    TRY(store_wake(p->store));
    struct buf body = {0};
    struct diff d = {.p = p, .view = view, .sql = &body};
    bool all = false;
    struct error *e = compare(&d, matched, &all);
    if (!e)
        e = around_triggers(&d, &body, ret_sql);
    buf_done(&body);
    *ret_match = !e && all && (matched || d.n_tables >= MANY_TABLES);
    map_done(&d.tables);
    map_done(&d.wanted);
    map_done(&d.indexes);
    map_done(&d.records);
    arena_done(&d.arena);
    return e;
}

/* A reference moves to *at. */
void region__set_matched(const struct catalog_view **at, const struct catalog_view *view)
{
    catalog_unref(*at);
    *at = view;
}
