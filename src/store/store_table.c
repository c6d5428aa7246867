/*
 * What the rows of a table look like: whether it has rowids, which columns are stored and in which
 * order, how its rowid can be named. Read from the schema when a table is first written to (by the
 * preupdate hook: what only reads may run inside it) or applied to, and forgotten when the schema
 * changes: so a change of the schema costs the same however many tables there are.
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

/* SQLite's index_info of a table's name is about the primary key of one WITHOUT ROWID. */
static struct error *read_kind(struct store *s, struct store_table *t)
{
    sqlite3_stmt *stmt;
    TRY(ask(s, "SELECT 1 FROM pragma_index_info(?1)", t->name, t->name_len, &stmt));
    int rc = sqlite3_step(stmt);
    t->without_rowid = rc == SQLITE_ROW;
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

/* `hidden` of generated columns */
enum { XINFO_VIRTUAL = 2, XINFO_STORED = 3 };

static struct error *read_columns(struct store *s, struct store_table *t)
{
    sqlite3_stmt *stmt;
    TRY(ask(s, "SELECT name, pk, hidden FROM pragma_table_xinfo(?1) ORDER BY cid", t->name,
            t->name_len, &stmt));
    int rc;
    bool is_virtual = false;
    for (int i = 0; (rc = sqlite3_step(stmt)) == SQLITE_ROW; i++) {
        int hidden = sqlite3_column_int(stmt, 2);
        if (hidden != XINFO_STORED)
            add_column(t, (const char *)sqlite3_column_text(stmt, 0), i,
                       sqlite3_column_int(stmt, 1));
        t->n_captured = i + 1;
        is_virtual |= hidden == XINFO_VIRTUAL;
    }
    TRY(finish(s, stmt, rc));
    if (is_virtual) /* the preupdate hook counts columns wrongly behind it */
        return error_hint(
            error_new(E_UNSUPPORTED, "table \"%s\" has a virtual generated column", t->name),
            "Use a stored generated column.");
    return NULL;
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

static struct error *read_table(struct store *s, struct store_table *t)
{
    TRY(read_kind(s, t));
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
    bool exists = sqlite3_table_column_metadata(s->writer->db, "main", t->name, NULL, NULL, NULL,
                                                NULL, NULL, NULL) == SQLITE_OK;
    struct error *e = exists ? read_table(s, t) : NULL;
    if (e || !exists) {
        table_free(t);
        *ret = NULL;
        return e;
    }
    map_put(&s->tables, name, len, t);
    *ret = t;
    return NULL;
}

void store__note_written(struct store *s, struct store_table *t)
{
    if (t->written)
        return;
    t->written = true;
    t->next_written = s->written;
    s->written = t;
}

void store__forget_tables(struct store *s)
{
    void *t;
    store__age_counts(s, s->commits + 1);
    for (size_t i = 0; map_next(&s->tables, &i, &t);)
        table_free(t);
    map_done(&s->tables);
    s->tables = (struct map){0};
    s->capture.n_defined = 0; /* they are defined anew in the same bytes, under new numbers */
}
