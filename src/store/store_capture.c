/*
 * Capture: SQLite's preupdate hook tells of each row that is about to change; what it tells is
 * appended to capture.bytes.
 *
 * Facts that this relies on (measured with 3.40.1; tests/unit/test_store.c holds them):
 *  - Rows deleted by REPLACE and by foreign-key actions are reported, each at its turn; so is each
 * row of a DELETE without WHERE (the hook switches SQLite's shortcut off, for statements compiled
 * after it was installed).
 *  - WITHOUT ROWID tables report no key: theirs is taken from the old row.
 *  - A statement that fails leaves the calls for what it undid behind: hence marks.
 *  - Rows from before ALTER TABLE ADD COLUMN show NULL in the old row, not the default: hence full
 * new rows.
 */
#include "store_int.h"

static struct value as_value(sqlite3_value *v)
{
    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER:
        return (struct value){.kind = VALUE_INT, .i = sqlite3_value_int64(v)};
    case SQLITE_FLOAT:
        return (struct value){.kind = VALUE_REAL, .r = sqlite3_value_double(v)};
    case SQLITE_TEXT: {
        const char *p = (const char *)sqlite3_value_text(v);
        size_t n = (size_t)sqlite3_value_bytes(v);
        return (struct value){.kind = VALUE_TEXT, .s = {p, n}};
    }
    case SQLITE_BLOB: {
        const char *p = sqlite3_value_blob(v);
        size_t n = (size_t)sqlite3_value_bytes(v);
        return (struct value){.kind = VALUE_BLOB, .s = {p ? p : "", n}};
    }
    default:
        return (struct value){.kind = VALUE_NULL};
    }
}

static void define(struct store *s, struct store_table *t)
{
    struct store_capture *c = &s->capture;
    if (c->n_defined == c->cap_defined) {
        c->cap_defined = c->cap_defined ? c->cap_defined * 2 : 8;
        c->defined = mem_realloc(c->defined, c->cap_defined * sizeof(struct store_table *));
    }
    store__note_written(s, t);
    t->defined_at = c->bytes.len;
    t->defined_as = c->n_definitions++;
    c->defined[c->n_defined++] = t;
    store__put_definition(&c->bytes, &(struct store_definition){.name = t->name,
                                                                .name_len = t->name_len,
                                                                .without_rowid = t->without_rowid,
                                                                .n_columns = t->n_columns,
                                                                .n_key = t->n_key});
}

typedef int row_value(sqlite3 *db, int column, sqlite3_value **ret);

static int put_column(struct buf *b, sqlite3 *db, row_value *get, int column)
{
    sqlite3_value *v = NULL;
    int rc = get(db, column, &v);
    if (rc)
        return rc;
    struct value value = as_value(v);
    store__put_value(b, &value);
    return SQLITE_OK;
}

static int put_change(struct store_capture *c, sqlite3 *db, const struct store_table *t, int op,
                      int64_t old_rowid, int64_t new_rowid)
{
    struct buf *b = &c->bytes;
    int rc = SQLITE_OK;
    buf_put8(b, op == SQLITE_INSERT ? 'I' : op == SQLITE_UPDATE ? 'U' : 'D');
    store__put_number(b, t->defined_as);
    if (!t->without_rowid) {
        store__put_signed(b, op == SQLITE_INSERT ? new_rowid : old_rowid);
        if (op == SQLITE_UPDATE)
            store__put_signed(b, new_rowid);
    } else if (op != SQLITE_INSERT) {
        for (int i = 0; i < t->n_key && !rc; i++)
            rc = put_column(b, db, sqlite3_preupdate_old, t->capture_index[t->key[i]]);
    }
    if (op != SQLITE_DELETE)
        for (int i = 0; i < t->n_columns && !rc; i++)
            rc = put_column(b, db, sqlite3_preupdate_new, t->capture_index[i]);
    return rc;
}

static struct error *capture(struct store *s, int op, const char *name, int64_t old_rowid,
                             int64_t new_rowid)
{
    struct store_capture *c = &s->capture;
    struct store_table *t;
    TRY(store__table(s, name, strlen(name), &t));
    if (!t)
        return error_new(E_INTERNAL, "table \"%s\" changes and does not exist", name);
    if (sqlite3_preupdate_count(s->writer->db) != t->n_captured)
        return error_new(E_INTERNAL, "table \"%s\" was altered behind the store's back", name);
    if (!c->bytes.len)
        buf_put8(&c->bytes, STORE_CHANGES_VERSION);
    if (t->defined_at == SIZE_MAX)
        define(s, t);
    int rc = put_change(c, s->writer->db, t, op, old_rowid, new_rowid);
    return rc ? types_sqlite_error(s->writer->db, rc) : NULL;
}

/* ---- rows that must change once ----------------------------------------------------------- */

void store_once_begin(struct store_conn *c, const char *table)
{
    struct store_capture *cap = &c->store->capture;
    cap->once = table;
    cap->twice = false;
}

bool store_once_end(struct store_conn *c)
{
    struct store_capture *cap = &c->store->capture;
    cap->once = NULL;
    map_done(&cap->once_rows);
    cap->once_rows = (struct map){0};
    return cap->twice;
}

static void note_once(struct store_capture *c, int op, const char *table, int64_t old_rowid,
                      int64_t new_rowid)
{
    if (strcmp(table, c->once) != 0 || op == SQLITE_DELETE)
        return;
    if (op == SQLITE_UPDATE)
        c->twice |= map_get_u64(&c->once_rows, (uint64_t)old_rowid) != NULL;
    map_put_u64(&c->once_rows, (uint64_t)new_rowid, c);
}

static void on_preupdate(void *ctx, sqlite3 *db, int op, const char *schema, const char *table,
                         sqlite3_int64 old_rowid, sqlite3_int64 new_rowid)
{
    struct store *s = ctx;
    if (!s->capture.on || s->capture.failed || strcmp(schema, "main") != 0 ||
        store__is_internal(table, strlen(table)))
        return;
    if (s->capture.once)
        note_once(&s->capture, op, table, old_rowid, new_rowid);
    if (s->local)
        return;
    s->capture.failed_at = s->capture.bytes.len;
    s->capture.failed = capture(s, op, table, old_rowid, new_rowid);
}

void store__capture_install(struct store *s)
{
    sqlite3_preupdate_hook(s->writer->db, on_preupdate, s);
}

void store__capture_cut(struct store_capture *c, struct store_place place)
{
    while (c->n_defined && c->defined[c->n_defined - 1]->defined_at >= place.len)
        c->defined[--c->n_defined]->defined_at = SIZE_MAX;
    c->n_definitions = place.n_definitions;
    if (place.len < c->bytes.len)
        c->bytes.len = place.len;
    if (c->failed && c->failed_at >= place.len) {
        error_free(c->failed);
        c->failed = NULL;
    }
}

void store__capture_done(struct store_capture *c)
{
    buf_done(&c->bytes);
    buf_done(&c->taken);
    mem_free(c->defined);
    error_free(c->failed);
}

void store_changes(struct store *s, const char **ret_data, size_t *ret_len)
{
    struct store_capture *c = &s->capture;
    struct buf given = c->bytes;
    c->bytes = c->taken;
    c->taken = given;
    while (c->n_defined)
        c->defined[--c->n_defined]->defined_at = SIZE_MAX;
    c->n_definitions = 0;
    buf_clear(&c->bytes);
    for (size_t i = 0; i < s->n_marks; i++)
        s->marks[i].captured = (struct store_place){0};
    *ret_data = given.data ? given.data : "";
    *ret_len = given.len;
}

size_t store_changes_size(struct store *s)
{
    return s->capture.bytes.len;
}
