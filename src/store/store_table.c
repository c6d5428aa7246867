/*
 * What the rows of a table look like: whether it has rowids, which columns are stored and in which
 * order, how its rowid can be named. Read from the schema when a table is first written to or
 * applied to, and forgotten when the schema changes.
 */
#include "store_int.h"

bool store__is_internal(const char *name, size_t len)
{
    return (len >= 8 && sqlite3_strnicmp(name, "minisql_", 8) == 0) ||
           (len >= 7 && sqlite3_strnicmp(name, "sqlite_", 7) == 0);
}

static void table_free(struct store_table *t)
{
    for (int i = 0; i < STORE_OPS; i++)
        sqlite3_finalize(t->stmts[i]);
    for (int i = 0; i < t->n_columns; i++)
        mem_free(t->columns[i]);
    mem_free(t->columns);
    mem_free(t->capture_index);
    mem_free(t->key);
    mem_free(t->name);
    mem_free(t);
}

/* ---- reading the schema ------------------------------------------------------------------- */

/* Prepares a query whose only parameter is a table's name. */
static struct error *ask(struct store *s, const char *sql, const char *name, size_t len,
                         sqlite3_stmt **ret)
{
    sqlite3 *db = s->writer->db;
    int rc = sqlite3_prepare_v2(db, sql, -1, ret, NULL);
    if (!rc)
        rc = sqlite3_bind_text64(*ret, 1, name, len, SQLITE_STATIC, SQLITE_UTF8);
    if (!rc)
        return NULL;
    struct error *e = types_sqlite_error(db, rc);
    sqlite3_finalize(*ret);
    return e;
}

static struct error *finish(struct store *s, sqlite3_stmt *stmt, int rc)
{
    struct error *e = NULL;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        e = types_sqlite_error(s->writer->db, rc);
    sqlite3_finalize(stmt);
    return e;
}

static struct error *read_kind(struct store *s, struct store_table *t, bool *ret_exists)
{
    sqlite3_stmt *stmt;
    TRY(ask(s,
            "SELECT wr FROM pragma_table_list(?1) "
            "WHERE schema = 'main' AND type = 'table' AND name = ?1",
            t->name, t->name_len, &stmt));
    int rc = sqlite3_step(stmt);
    *ret_exists = rc == SQLITE_ROW;
    if (*ret_exists)
        t->without_rowid = sqlite3_column_int(stmt, 0) != 0;
    return finish(s, stmt, rc);
}

static void add_column(struct store_table *t, const char *name, int capture_index, int key_place)
{
    size_t n = (size_t)t->n_columns + 1;
    t->columns = mem_realloc(t->columns, n * sizeof(*t->columns));
    t->capture_index = mem_realloc(t->capture_index, n * sizeof(*t->capture_index));
    t->columns[n - 1] = mem_strdup(name);
    t->capture_index[n - 1] = capture_index;
    if (key_place > 0 && key_place <= STORE_MAX_COLUMNS) {
        if (key_place > t->n_key) {
            t->key = mem_realloc(t->key, (size_t)key_place * sizeof(*t->key));
            t->n_key = key_place;
        }
        t->key[key_place - 1] = t->n_columns;
    }
    t->n_columns++;
}

enum { XINFO_STORED = 3 }; /* `hidden` of a stored generated column */

static struct error *read_columns(struct store *s, struct store_table *t)
{
    sqlite3_stmt *stmt;
    TRY(ask(s, "SELECT name, pk, hidden FROM pragma_table_xinfo(?1) ORDER BY cid", t->name,
            t->name_len, &stmt));
    int rc;
    for (int i = 0; (rc = sqlite3_step(stmt)) == SQLITE_ROW; i++) {
        if (sqlite3_column_int(stmt, 2) != XINFO_STORED)
            add_column(t, (const char *)sqlite3_column_text(stmt, 0), i,
                       sqlite3_column_int(stmt, 1));
        t->n_captured = i + 1;
    }
    return finish(s, stmt, rc);
}

/* A single key column without an index of its own is the rowid itself. */
static struct error *find_rowid_column(struct store *s, struct store_table *t)
{
    t->rowid_column = -1;
    if (t->without_rowid || t->n_key != 1)
        return NULL;
    sqlite3_stmt *stmt;
    TRY(ask(s, "SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk'", t->name, t->name_len,
            &stmt));
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_DONE)
        t->rowid_column = t->key[0];
    return finish(s, stmt, rc);
}

static const char *free_rowid_name(const struct store_table *t)
{
    static const char *const names[] = {"rowid", "_rowid_", "oid"};
    for (size_t n = 0; n < ARRAY_LEN(names); n++) {
        bool taken = false;
        for (int i = 0; i < t->n_columns; i++)
            taken |= sqlite3_stricmp(t->columns[i], names[n]) == 0;
        if (!taken)
            return names[n];
    }
    return NULL;
}

static struct error *read_table(struct store *s, struct store_table *t, bool *ret_exists)
{
    TRY(read_kind(s, t, ret_exists));
    if (!*ret_exists)
        return NULL;
    TRY(read_columns(s, t));
    TRY(find_rowid_column(s, t));
    if (t->without_rowid)
        return NULL;
    t->n_key = 0;
    t->rowid_name = t->rowid_column >= 0 ? t->columns[t->rowid_column] : free_rowid_name(t);
    if (!t->rowid_name)
        return error_new(E_UNSUPPORTED,
                         "table \"%s\" has columns named rowid, _rowid_ and oid and no integer "
                         "primary key",
                         t->name);
    return NULL;
}

struct error *store__table(struct store *s, const char *name, size_t len, struct store_table **ret)
{
    struct store_table *t = map_get(&s->tables, name, len);
    if (t) {
        *ret = t;
        return NULL;
    }
    t = NEW(struct store_table);
    t->name = mem_strndup(name, len);
    t->name_len = len;
    t->defined_at = SIZE_MAX;
    bool exists = false;
    struct error *e = read_table(s, t, &exists);
    if (e || !exists) {
        table_free(t);
        *ret = NULL;
        return e;
    }
    map_put(&s->tables, name, len, t);
    *ret = t;
    return NULL;
}

void store__forget_tables(struct store *s)
{
    void *t;
    for (size_t i = 0; map_next(&s->tables, &i, &t);)
        table_free(t);
    map_done(&s->tables);
    s->tables = (struct map){0};
    s->capture.n_defined = 0; /* they are defined anew in the same bytes, under new numbers */
    s->tables_loaded = false;
}

struct error *store__load_tables(struct store *s)
{
    if (s->tables_loaded)
        return NULL;
    sqlite3_stmt *stmt;
    TRY(store__prepare_own(s->writer->db,
                           "SELECT name FROM sqlite_schema WHERE type = 'table' "
                           "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
                           &stmt));
    struct error *e = NULL;
    int rc = SQLITE_DONE;
    while (!e && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct store_table *t;
        e = store__table(s, (const char *)sqlite3_column_text(stmt, 0),
                         (size_t)sqlite3_column_bytes(stmt, 0), &t);
    }
    s->tables_loaded = !e && rc == SQLITE_DONE;
    struct error *last = finish(s, stmt, rc);
    if (!e)
        return last;
    error_free(last);
    return e;
}

/* ---- what can be captured ----------------------------------------------------------------- */

/* The preupdate hook counts columns wrongly behind a virtual generated one. */
struct error *store__check_tables(struct store *s)
{
    sqlite3 *db = s->writer->db;
    sqlite3_stmt *stmt;
    TRY(store__prepare_own(db,
                           "SELECT m.name, sum(x.hidden = 2), "
                           "count(DISTINCT iif(lower(x.name) IN ('rowid', '_rowid_', 'oid'), "
                           "lower(x.name), NULL)) "
                           "FROM sqlite_schema m, pragma_table_xinfo(m.name) x "
                           "WHERE m.type = 'table' GROUP BY m.name",
                           &stmt));
    struct error *e = NULL;
    int rc;
    while (!e && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        struct store_table *t;
        if (sqlite3_column_int(stmt, 1))
            e = error_hint(
                error_new(E_UNSUPPORTED, "table \"%s\" has a virtual generated column", name),
                "Use a stored generated column.");
        else if (sqlite3_column_int(stmt, 2) == 3)
            e = store__table(s, name, strlen(name), &t);
    }
    if (!e && rc != SQLITE_DONE)
        e = types_sqlite_error(db, rc);
    sqlite3_finalize(stmt);
    return e;
}
