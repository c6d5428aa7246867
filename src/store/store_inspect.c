/*
 * What a file holds, for those who compare copies: its tables with a hash of their rows, its
 * indexes, the catalog's records that it carries, and what is wrong with it.
 *
 * Two copies at the same applied lsn must have equal hashes. A table's hash is the sum of its rows'
 * hashes, so that the order in which SQLite reads them does not matter; a row's hash covers its
 * rowid, too, because changes are applied by rowid.
 *
 * Damage is what this looks for, so damage is no error here: whatever can't be read is described,
 * and the rest is still told.
 */
#include "store_int.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_COMPLAINTS = 20 };

struct inspection {
    sqlite3 *db;
    struct arena *a;
    struct store_contents *c;
};

static void complain(struct inspection *i, const char ***list, size_t *n, const char *text)
{
    if (!*list)
        *list = ARENA_ARRAY(i->a, const char *, MAX_COMPLAINTS);
    if (*n < MAX_COMPLAINTS)
        (*list)[(*n)++] = text;
}

static void damaged(struct inspection *i, const char *what)
{
    complain(i, &i->c->damage, &i->c->n_damage,
             arena_printf(i->a, "%s: %s", what, sqlite3_errmsg(i->db)));
}

static char *column_text(struct inspection *i, sqlite3_stmt *stmt, int column)
{
    const void *p = sqlite3_column_text(stmt, column);
    return arena_strndup(i->a, p ? p : "", (size_t)sqlite3_column_bytes(stmt, column));
}

/* Calls back for each row; what fails is complained of under the name `what`. */
static void each_row(struct inspection *i, const char *what, const char *sql,
                     void (*row)(struct inspection *i, sqlite3_stmt *stmt))
{
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(i->db, sql, -1, &stmt, NULL);
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
            row(i, stmt);
    }
    if (rc != SQLITE_DONE)
        damaged(i, what);
    sqlite3_finalize(stmt);
}

/* ---- what there is ------------------------------------------------------------------------ */

/* Grows an array of the contents by one element: doubled whenever it is full. */
static void *grow(struct inspection *i, void *items, size_t *n, size_t size)
{
    if ((*n & (*n - 1)) == 0) { /* 0 or a power of two */
        void *bigger = arena_alloc(i->a, MAX(*n * 2, (size_t)1) * size);
        if (*n)
            memcpy(bigger, items, *n * size);
        items = bigger;
    }
    ++*n;
    return items;
}

static void add_table(struct inspection *i, sqlite3_stmt *stmt)
{
    struct store_contents *c = i->c;
    c->tables = grow(i, c->tables, &c->n_tables, sizeof(*c->tables));
    c->tables[c->n_tables - 1] =
        (struct store_table_contents){.name = column_text(i, stmt, 0), .rows = -1};
}

static void add_index(struct inspection *i, sqlite3_stmt *stmt)
{
    struct store_contents *c = i->c;
    c->indexes = grow(i, c->indexes, &c->n_indexes, sizeof(*c->indexes));
    c->indexes[c->n_indexes - 1] = column_text(i, stmt, 0);
}

static void add_record(struct inspection *i, sqlite3_stmt *stmt)
{
    struct store_contents *c = i->c;
    c->records = grow(i, c->records, &c->n_records, sizeof(*c->records));
    c->records[c->n_records - 1] =
        (struct store_record){.id = (uint64_t)sqlite3_column_int64(stmt, 0),
                              .version = (uint64_t)sqlite3_column_int64(stmt, 1),
                              .text = column_text(i, stmt, 2)};
}

static void set_id(struct inspection *i, sqlite3_stmt *stmt)
{
    const char *name = column_text(i, stmt, 1);
    for (size_t k = 0; k < i->c->n_tables; k++)
        if (strcmp(i->c->tables[k].name, name) == 0)
            i->c->tables[k].id = (uint64_t)sqlite3_column_int64(stmt, 0);
}

static void set_max_gateway(struct inspection *i, sqlite3_stmt *stmt)
{
    i->c->max_gateway = (uint64_t)sqlite3_column_int64(stmt, 0);
}

static void found_something(struct inspection *i, sqlite3_stmt *stmt)
{
    i->c->described = true;
}

static void note_listed(struct inspection *i, sqlite3_stmt *stmt)
{
    each_row(i, "minisql_tables", "SELECT id, name FROM minisql_tables", set_id);
}

static void list_all(struct inspection *i)
{
    each_row(i, "schema",
             "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite^_%'"
             " ESCAPE '^' AND name NOT LIKE 'minisql^_%' ESCAPE '^' ORDER BY name",
             add_table);
    each_row(i, "schema",
             "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
             " ORDER BY name",
             add_index);
    each_row(i, "schema", "SELECT 1 FROM sqlite_schema WHERE name = 'minisql_tables'", note_listed);
    each_row(i, "schema", "SELECT 1 FROM sqlite_schema WHERE name = 'minisql_records'",
             found_something);
    if (i->c->described)
        each_row(i, "minisql_records", "SELECT id, version, record FROM minisql_records",
                 add_record);
    each_row(i, "minisql_requests", "SELECT ifnull(max(gateway), 0) FROM minisql_requests",
             set_max_gateway);
}

/* ---- hashes ------------------------------------------------------------------------------- */

static struct value column_value(sqlite3_stmt *stmt, int i)
{
    switch (sqlite3_column_type(stmt, i)) {
    case SQLITE_INTEGER:
        return (struct value){.kind = VALUE_INT, .i = sqlite3_column_int64(stmt, i)};
    case SQLITE_FLOAT:
        return (struct value){.kind = VALUE_REAL, .r = sqlite3_column_double(stmt, i)};
    case SQLITE_TEXT: {
        const char *p = (const char *)sqlite3_column_text(stmt, i);
        return (struct value){.kind = VALUE_TEXT, .s = {p, (size_t)sqlite3_column_bytes(stmt, i)}};
    }
    case SQLITE_BLOB: {
        const char *p = sqlite3_column_blob(stmt, i);
        return (struct value){.kind = VALUE_BLOB,
                              .s = {p ? p : "", (size_t)sqlite3_column_bytes(stmt, i)}};
    }
    default:
        return (struct value){.kind = VALUE_NULL};
    }
}

static uint64_t hash_row(sqlite3_stmt *stmt, struct buf *row)
{
    buf_clear(row);
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        struct value v = column_value(stmt, i);
        store__put_value(row, &v);
    }
    return hash_bytes(row->data ? row->data : "", row->len);
}

static sqlite3_stmt *select_all(struct inspection *i, const char *table)
{
    static const char *const forms[] = {"SELECT rowid, * FROM main.\"%w\"",
                                        "SELECT * FROM main.\"%w\""}; /* WITHOUT ROWID */
    sqlite3_stmt *stmt = NULL;
    for (size_t k = 0; k < ARRAY_LEN(forms) && !stmt; k++) {
        char *sql = sqlite3_mprintf(forms[k], table);
        if (sqlite3_prepare_v2(i->db, sql ? sql : "", -1, &stmt, NULL) != SQLITE_OK)
            stmt = NULL;
        sqlite3_free(sql);
    }
    return stmt;
}

static void hash_table(struct inspection *i, const char *table, int64_t *ret_rows,
                       uint64_t *ret_hash)
{
    _cleanup_(buf_done) struct buf row = {0};
    int64_t rows = 0;
    uint64_t hash = 0;
    sqlite3_stmt *stmt = select_all(i, table);
    int rc = SQLITE_ERROR;
    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        hash += hash_row(stmt, &row);
        rows++;
    }
    if (rc == SQLITE_DONE) {
        *ret_rows = rows;
        *ret_hash = hash;
    } else {
        damaged(i, table);
    }
    sqlite3_finalize(stmt);
}

/* ---- what is wrong ------------------------------------------------------------------------ */

static void integrity_says(struct inspection *i, sqlite3_stmt *stmt)
{
    const char *text = column_text(i, stmt, 0);
    if (strcmp(text, "ok") != 0)
        complain(i, &i->c->damage, &i->c->n_damage, text);
}

static void foreign_key_says(struct inspection *i, sqlite3_stmt *stmt)
{
    complain(i, &i->c->dangling, &i->c->n_dangling,
             arena_printf(i->a, "%lld rows of \"%s\" refer to rows of \"%s\" that do not exist",
                          (long long)sqlite3_column_int64(stmt, 2), column_text(i, stmt, 0),
                          column_text(i, stmt, 1)));
}

static void record_says(struct inspection *i, sqlite3_stmt *stmt)
{
    complain(i, &i->c->damage, &i->c->n_damage,
             arena_printf(i->a, "table \"%s\" is another one than its record says",
                          column_text(i, stmt, 0)));
}

/* The file's own records say which constraints its rows need not satisfy, and how its tables are to
 * look. */
static void look_by_records(struct inspection *i)
{
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(i->db,
                                "SELECT 1 FROM minisql_records, json_each(record, '$.checks') c"
                                " WHERE c.value ->> 'not_valid'",
                                -1, &stmt, NULL);
    if (!rc && sqlite3_step(stmt) == SQLITE_ROW)
        sqlite3_exec(i->db, "PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL);
    sqlite3_finalize(stmt);
    each_row(i, "integrity check", "PRAGMA integrity_check(20)", integrity_says);
    sqlite3_exec(i->db, "PRAGMA ignore_check_constraints = OFF", NULL, NULL, NULL);
    each_row(i, "foreign key check",
             "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check f WHERE NOT EXISTS"
             " (SELECT 1 FROM minisql_tables t JOIN minisql_records r ON r.id = t.id,"
             " json_each(r.record, '$.foreign_keys') k"
             " WHERE t.name = f.\"table\" AND k.value ->> 'not_valid') GROUP BY 1, 2",
             foreign_key_says);
    each_row(i, "records",
             "SELECT t.name FROM minisql_tables t JOIN minisql_records r ON r.id = t.id"
             " JOIN sqlite_schema s ON s.type = 'table' AND s.name = t.name"
             " WHERE s.sql <> r.record ->> '$.ddl'",
             record_says);
}

static void look_deep(struct inspection *i)
{
    if (i->c->described) {
        look_by_records(i);
    } else {
        each_row(i, "integrity check", "PRAGMA integrity_check(20)", integrity_says);
        each_row(i, "foreign key check",
                 "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2",
                 foreign_key_says);
    }
    for (size_t k = 0; k < i->c->n_tables; k++) {
        struct store_table_contents *t = &i->c->tables[k];
        hash_table(i, t->name, &t->rows, &t->hash);
    }
    int64_t requests;
    uint64_t decisions = 0;
    hash_table(i, "minisql_requests", &requests, &i->c->requests_hash);
    hash_table(i, "minisql_decisions", &requests, &decisions);
    i->c->requests_hash += decisions;
}

static struct error *look(sqlite3 *db, const char *path, bool deep, struct arena *a,
                          struct store_contents *ret)
{
    struct store_contents c = {0};
    struct inspection i = {.db = db, .a = a, .c = &c};
    TRY(store__read_meta(db, path, &c.meta));
    list_all(&i);
    if (deep)
        look_deep(&i);
    *ret = c;
    return NULL;
}

struct error *store_contents(struct store_conn *c, bool deep, struct arena *a,
                             struct store_contents *ret)
{
    return look(c->db, c->store->path, deep, a, ret);
}

struct error *store_reader_meta(struct store_conn *c, struct store_meta *ret)
{
    return store__read_meta(c->db, c->store->path, ret);
}

/* ---- a file that nobody has open ---------------------------------------------------------- */

static struct error *look_at_file(sqlite3 *db, const char *path, bool deep, struct arena *a,
                                  struct store_contents *ret)
{
    sqlite3_extended_result_codes(db, 1);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    TRY(types_register(db)); /* checks and indexes call them */
    int rc = sqlite3_exec(db, "PRAGMA query_only = ON; BEGIN", NULL, NULL, NULL);
    return rc ? store__error(db, rc, path) : look(db, path, deep, a, ret);
}

struct error *store_inspect(const char *dir, uint64_t region, bool deep, struct arena *a,
                            struct store_contents *ret)
{
    _cleanup_(mem_freep) char *path = store__path(dir, region, ".db");
    _cleanup_(mem_freep) char *wal = store__path(dir, region, ".db-wal");
    bool had_wal = access(wal, F_OK) == 0;
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, "unix-excl");
    struct error *e = rc ? store__error(db, rc, path) : look_at_file(db, path, deep, a, ret);
    sqlite3_close(db);
    if (!had_wal) /* SQLite made an empty one */
        unlink(wal);
    return e;
}
