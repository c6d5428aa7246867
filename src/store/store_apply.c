/*
 * Applying row changes, at a backup and in recovery.
 *
 * Exactly what was captured happens: the row that is named, and one row each time. A table or row
 * that isn't there, or a constraint that fails, means that the two files have diverged (XX001).
 * Foreign keys, triggers and checks are off; uniqueness and STRICT types hold by themselves,
 * because the changes come in the order in which they happened. Schema changes among them run as
 * text.
 */
#include "store_int.h"

#include <inttypes.h>

/* ---- statements of a table ---------------------------------------------------------------- */

static void put_quoted(struct buf *b, const char *name)
{
    buf_puts(b, "\"");
    for (; *name; name++) {
        if (*name == '"')
            buf_puts(b, "\"");
        buf_append(b, name, 1);
    }
    buf_puts(b, "\"");
}

/* The rowid is parameter 1 (old) and 2 (new), or the key 1 .. n_key; the columns follow. */
static int first_column_parameter(const struct store_table *t)
{
    return t->without_rowid ? t->n_key + 1 : 3;
}

static void put_key_condition(struct buf *b, const struct store_table *t)
{
    buf_puts(b, " WHERE ");
    if (!t->without_rowid) {
        put_quoted(b, t->rowid_name);
        buf_puts(b, " = ?1");
        return;
    }
    for (int i = 0; i < t->n_key; i++) {
        buf_puts(b, i ? " AND " : "");
        put_quoted(b, t->columns[t->key[i]]);
        buf_printf(b, " = ?%d", i + 1);
    }
}

static void put_insert(struct buf *b, const struct store_table *t)
{
    bool hidden_rowid = !t->without_rowid && t->rowid_column < 0;
    buf_puts(b, "INSERT INTO main.");
    put_quoted(b, t->name);
    buf_puts(b, " (");
    for (int i = 0; i < t->n_columns; i++) {
        buf_puts(b, i ? ", " : "");
        put_quoted(b, t->columns[i]);
    }
    if (hidden_rowid)
        buf_printf(b, ", %s", t->rowid_name);
    buf_puts(b, ") VALUES (");
    for (int i = 0; i < t->n_columns; i++)
        buf_printf(b, "%s?%d", i ? ", " : "", first_column_parameter(t) + i);
    buf_puts(b, hidden_rowid ? ", ?1)" : ")");
}

/* Setting the rowid, even to what it is, makes SQLite delete and insert: only `move` does. */
static void put_update(struct buf *b, const struct store_table *t, bool move)
{
    const char *between = "";
    buf_puts(b, "UPDATE main.");
    put_quoted(b, t->name);
    buf_puts(b, " SET ");
    for (int i = 0; i < t->n_columns; i++) {
        if (i == t->rowid_column && !move && t->n_columns > 1)
            continue;
        buf_puts(b, between);
        between = ", ";
        put_quoted(b, t->columns[i]);
        buf_printf(b, " = ?%d", first_column_parameter(t) + i);
    }
    if (move && !t->without_rowid && t->rowid_column < 0)
        buf_printf(b, ", %s = ?2", t->rowid_name);
    put_key_condition(b, t);
}

static void put_delete(struct buf *b, const struct store_table *t)
{
    buf_puts(b, "DELETE FROM main.");
    put_quoted(b, t->name);
    put_key_condition(b, t);
}

static struct error *statement(struct store *s, struct store_table *t, enum store_op op,
                               sqlite3_stmt **ret)
{
    if (!t->stmts[op]) {
        struct buf sql = {0};
        if (op == STORE_INSERT)
            put_insert(&sql, t);
        else if (op == STORE_DELETE)
            put_delete(&sql, t);
        else
            put_update(&sql, t, op == STORE_MOVE);
        struct error *e = store__prepare_own(s->writer->db, sql.data, &t->stmts[op]);
        buf_done(&sql);
        TRY(e);
    }
    *ret = t->stmts[op];
    return NULL;
}

/* ---- one change --------------------------------------------------------------------------- */

static struct error *diverged(const struct store_table *t, const char *what)
{
    return error_hint(error_new(E_DAMAGED, "a replicated change of table \"%s\" %s", t->name, what),
                      "The replica on this server differs from the primary's and is rebuilt.");
}

static enum store_op operation(const struct store_table *t, const struct store_change *c)
{
    if (c->op == 'I')
        return STORE_INSERT;
    if (c->op == 'D')
        return STORE_DELETE;
    return !t->without_rowid && c->new_rowid != c->rowid ? STORE_MOVE : STORE_UPDATE;
}

/* Parameters that a statement doesn't have (a new rowid, say) are no errors. */
static int bind_change(const struct store_table *t, const struct store_change *c,
                       sqlite3_stmt *stmt)
{
    int rc = SQLITE_OK, n = sqlite3_bind_parameter_count(stmt);
    if (!t->without_rowid) {
        if (n >= 1)
            rc = sqlite3_bind_int64(stmt, 1, c->rowid);
        if (n >= 2 && !rc)
            rc = sqlite3_bind_int64(stmt, 2, c->new_rowid);
    } else if (c->op != 'I') {
        for (int i = 0; i < t->n_key && !rc; i++)
            rc = value_bind(stmt, i + 1, &c->key[i]);
    }
    if (c->op != 'D')
        for (int i = 0; i < t->n_columns && !rc; i++)
            if (first_column_parameter(t) + i <= n)
                rc = value_bind(stmt, first_column_parameter(t) + i, &c->values[i]);
    return rc;
}

/* With an INTEGER PRIMARY KEY the rowid is among the values too. */
static bool rowid_agrees(const struct store_table *t, const struct store_change *c)
{
    if (t->rowid_column < 0 || c->op == 'D')
        return true;
    const struct value *v = &c->values[t->rowid_column];
    return v->kind == VALUE_INT && v->i == c->new_rowid;
}

static struct error *apply_error(struct store *s, const struct store_table *t, int rc)
{
    int code = rc & 0xff;
    if (code != SQLITE_CONSTRAINT && code != SQLITE_MISMATCH && code != SQLITE_TOOBIG)
        return types_sqlite_error(s->writer->db, rc);
    struct error *e = diverged(t, "does not fit the rows here");
    return error_detail(e, "%s.", sqlite3_errmsg(s->writer->db));
}

static struct error *apply_change(struct store *s, struct store_table *t,
                                  const struct store_change *c)
{
    sqlite3 *db = s->writer->db;
    sqlite3_stmt *stmt;
    if (!rowid_agrees(t, c))
        return diverged(t, "names two row ids");
    TRY(statement(s, t, operation(t, c), &stmt));
    int rc = bind_change(t, c, stmt);
    if (!rc)
        rc = sqlite3_step(stmt);
    struct error *e = NULL;
    if (rc != SQLITE_DONE)
        e = apply_error(s, t, rc);
    else if (sqlite3_changes64(db) != 1)
        e = diverged(t, "finds no such row here");
    sqlite3_reset(stmt);
    return e;
}

/* ---- all of them -------------------------------------------------------------------------- */

static struct error *look_up(struct store *s, const struct store_definition *d,
                             struct store_table **ret)
{
    struct store_table *t = NULL;
    if (!store__is_internal(d->name, d->name_len))
        TRY(store__table(s, d->name, d->name_len, &t));
    if (!t)
        return error_new(E_DAMAGED, "replicated changes name table \"%.*s\", which is not here",
                         (int)MIN(d->name_len, (size_t)200), d->name);
    if (t->without_rowid != d->without_rowid || t->n_columns != d->n_columns ||
        t->n_key != d->n_key)
        return diverged(t, "has other columns than the table here");
    store__note_written(s, t);
    *ret = t;
    return NULL;
}

/* The tables that were looked up are none any more: who is changed next is defined anew. */
static struct error *apply_ddl(struct store *s, const struct store_change *c, struct buf *tables)
{
    if (tables->len)
        memset(tables->data, 0, tables->len);
    TRY(store_apply_ddl(s, c->ddl, c->ddl_len, c->schema_version));
    s->capture.on = false;
    return store__set_mode(s->writer, STORE_APPLY);
}

static struct error *apply_all(struct store *s, struct store_decoder *d, struct buf *tables)
{
    for (;;) {
        struct store_change c;
        bool found;
        TRY(store__decode(d, &c, &found));
        if (!found)
            return NULL;
        struct store_table *t;
        if (c.op == 'T') {
            TRY(look_up(s, &c.definition, &t));
            buf_append(tables, &t, sizeof(struct store_table *));
        } else if (c.op == 'S') {
            TRY(apply_ddl(s, &c, tables));
        } else {
            memcpy(&t, tables->data + c.table * sizeof(struct store_table *),
                   sizeof(struct store_table *));
            if (!t)
                return error_new(E_DAMAGED, "a replicated change names a table of before a schema "
                                            "change");
            TRY(apply_change(s, t, &c));
        }
    }
}

struct error *store_apply(struct store *s, const void *data, size_t len)
{
    TRY(store__set_mode(s->writer, STORE_APPLY));
    bool captured = s->capture.on;
    s->capture.on = false;
    struct store_decoder d;
    struct buf tables = {0};
    store__decoder_init(&d, data, len);
    struct error *e = apply_all(s, &d, &tables);
    store__decoder_done(&d);
    buf_done(&tables);
    s->capture.on = captured;
    return e;
}
