/*
 * Which row broke a constraint. SQLite says which constraint, and of foreign keys not even that;
 * PostgreSQL says `Key (id)=(1) already exists.`
 *
 * So a statement that failed runs once more, in a savepoint that is undone, with temporary triggers
 * that tell its rows: the last one that was to be written is the one that failed. For a foreign key
 * the check is put off, and the triggers tell each key that has no partner; of those the first one
 * that still has none when the statement is through is it. Sequences are not drawn from again:
 * nextval() gives what was drawn last. What another volatile function gives may differ the second
 * time: what does not fail in the same way again is not explained.
 *
 * Only who violates a constraint pays for it: some 100 us.
 */
#include "exec/exec_int.h"

enum { CHUNK = 100, SUSPECTS = 64, KEYS = 1000, SHOWN = 64 };

struct key_seen {
    int suspect;
    struct value *values;
};

/* What the triggers tell. */
struct witness {
    struct arena row_arena, arena;
    const struct table *table;
    struct value *row;
    bool has_row, found; /* found: `row` is it, whatever comes */
    int key;             /* 23502: the column; else -1 */
    int missing;         /* NULLs for an integer primary key so far: see types_count_missing */
    int n_suspects, n_keys;
    struct sql_suspect suspects[SUSPECTS];
    struct key_seen *keys;
};

/* ---- what the triggers call ----------------------------------------------------------------- */

struct value exec__copy_value(sqlite3_value *v, struct arena *a)
{
    struct value copy = value_of_sqlite(v);
    if (copy.kind == VALUE_TEXT || copy.kind == VALUE_BLOB)
        copy.s.p = arena_strndup(a, copy.s.p, copy.s.n);
    return copy;
}

/* Has the row no value for its integer primary key? SQLite's triggers see -1 then. */
static bool is_missing(const struct witness *w)
{
    const struct value *v = &w->row[w->key];
    return w->missing && (v->kind == VALUE_NULL || (v->kind == VALUE_INT && v->i == -1));
}

/* minisql_row(first column, values..) */
static void saw_row(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct witness *w = sqlite3_user_data(c);
    int first = sqlite3_value_int(v[0]);
    if (w->found)
        return;
    if (first == 0)
        arena_reset(&w->row_arena);
    for (int i = 1; i < n && first + i <= w->table->n_columns; i++)
        w->row[first + i - 1] = exec__copy_value(v[i], &w->row_arena);
    w->has_row = true;
    w->found = w->key >= 0 && first + n > w->table->n_columns && is_missing(w);
}

/* minisql_key(number of the suspect, values..) */
static void saw_key(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct witness *w = sqlite3_user_data(c);
    if (w->n_keys == KEYS)
        return;
    struct key_seen *k = &w->keys[w->n_keys++];
    k->suspect = sqlite3_value_int(v[0]);
    k->values = ARENA_ARRAY(&w->arena, struct value, n);
    for (int i = 1; i < n; i++)
        k->values[i - 1] = exec__copy_value(v[i], &w->arena);
}

/* ---- the triggers --------------------------------------------------------------------------- */

static bool run_sql(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static void put_name(struct buf *b, const char *before, const char *name)
{
    buf_puts(b, before);
    sql_quote(name, b);
}

static void put_trigger(struct buf *b, int number, const char *event, const struct table *t)
{
    buf_printf(b, "CREATE TEMP TRIGGER \"minisql violation %d %s\" %s ON ", number, event, event);
    put_name(b, "main.", table_file_name(t));
}

static void watch_rows(struct buf *b, const struct table *t, const char *event)
{
    put_trigger(b, -1, event, t);
    buf_puts(b, " BEGIN ");
    for (int i = 0; i < t->n_columns; i++) {
        if (i % CHUNK == 0)
            buf_printf(b, "%sSELECT minisql_row(%d", i ? "); " : "", i);
        if (t->columns[i].dropped)
            buf_puts(b, ", NULL");
        else
            put_name(b, ", NEW.", t->columns[i].name);
    }
    buf_puts(b, "); END;");
}

/* left.column = right.column AND ..; right NULL: = ?1 AND .. */
static void put_equal(struct buf *b, const struct table *l, const char *left, const int *columns,
                      const struct table *r, const char *right, const int *others, int n)
{
    for (int i = 0; i < n; i++) {
        buf_puts(b, i ? " AND " : "");
        put_name(b, left, l->columns[columns[i]].name);
        if (right)
            put_name(b, right, r->columns[others[i]].name);
        else
            buf_printf(b, " = ?%d", i + 1);
    }
}

static void put_exists(struct buf *b, const struct sql_suspect *s, bool parent, const char *key)
{
    const struct foreign_key *fk = s->fk;
    put_name(b, "EXISTS (SELECT 1 FROM main.", table_file_name(parent ? s->parent : s->child));
    buf_puts(b, " x WHERE ");
    if (parent)
        put_equal(b, s->parent, "x.", fk->ref_columns, s->child, key, fk->columns, fk->n_columns);
    else
        put_equal(b, s->child, "x.", fk->columns, s->parent, key, fk->ref_columns, fk->n_columns);
    buf_puts(b, ")");
}

static void put_report(struct buf *b, int number, const struct table *t, const char *row,
                       const int *columns, int n)
{
    buf_printf(b, " BEGIN SELECT minisql_key(%d", number);
    for (int i = 0; i < n; i++) {
        buf_puts(b, ", ");
        put_name(b, row, t->columns[columns[i]].name);
    }
    buf_puts(b, "); END;");
}

/* Rows of the child that refer to nothing. */
static void watch_child(struct buf *b, int number, const struct sql_suspect *s, const char *event)
{
    put_trigger(b, number, event, s->child);
    buf_puts(b, " WHEN ");
    for (int i = 0; i < s->fk->n_columns; i++) {
        put_name(b, "NEW.", s->child->columns[s->fk->columns[i]].name);
        buf_puts(b, " IS NOT NULL AND ");
    }
    buf_puts(b, "NOT ");
    put_exists(b, s, true, " = NEW.");
    put_report(b, number, s->child, "NEW.", s->fk->columns, s->fk->n_columns);
}

/* Rows of the parent that something refers to. Before they go: RESTRICT fails at once. */
static void watch_parent(struct buf *b, int number, const struct sql_suspect *s, const char *event)
{
    put_trigger(b, number, event, s->parent);
    buf_puts(b, " WHEN ");
    put_exists(b, s, false, " = OLD.");
    put_report(b, number, s->parent, "OLD.", s->fk->ref_columns, s->fk->n_columns);
}

static bool watch(struct witness *w, sqlite3 *db)
{
    _cleanup_(buf_done) struct buf b = {0};
    watch_rows(&b, w->table, "BEFORE INSERT");
    watch_rows(&b, w->table, "BEFORE UPDATE");
    for (int i = 0; i < w->n_suspects; i++) {
        const struct sql_suspect *s = &w->suspects[i];
        if (s->of_parent) {
            watch_parent(&b, i, s, "BEFORE DELETE");
            watch_parent(&b, i, s, "BEFORE UPDATE");
        } else {
            watch_child(&b, i, s, "AFTER INSERT");
            watch_child(&b, i, s, "AFTER UPDATE");
        }
    }
    if (sqlite3_create_function_v2(db, "minisql_row", -1, SQLITE_UTF8, w, saw_row, NULL, NULL,
                                   NULL) ||
        sqlite3_create_function_v2(db, "minisql_key", -1, SQLITE_UTF8, w, saw_key, NULL, NULL,
                                   NULL))
        return false;
    return run_sql(db, b.data);
}

static void forget_functions(sqlite3 *db)
{
    sqlite3_create_function_v2(db, "minisql_row", -1, SQLITE_UTF8, NULL, NULL, NULL, NULL, NULL);
    sqlite3_create_function_v2(db, "minisql_key", -1, SQLITE_UTF8, NULL, NULL, NULL, NULL, NULL);
}

/* ---- once more ------------------------------------------------------------------------------ */

static struct error *drawn_before(void *ctx, enum sequence_call what, const struct value *args,
                                  int nargs, struct arena *a, struct value *ret)
{
    struct exec_session *s = ctx;
    bool draws = what == SEQUENCE_NEXT || what == SEQUENCE_SET;
    return s->host.sequence(ctx, draws ? SEQUENCE_CURRENT : what, args, draws ? 1 : nargs, a, ret);
}

/* How it ends this time. */
static struct error *again(sqlite3 *db, const char *sql, size_t len, const struct value *params,
                           int n)
{
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(db, sql, (int)len, &stmt, NULL);
    if (rc != SQLITE_OK)
        return types_sqlite_error(db, rc);
    struct error *e = exec__bind(db, stmt, params, n);
    while (!e && (rc = sqlite3_step(stmt)) != SQLITE_DONE)
        if (rc != SQLITE_ROW)
            e = types_sqlite_error(db, rc);
    sqlite3_finalize(stmt);
    return e;
}

/* Is the key without a partner now? */
static bool still_broken(const struct witness *w, sqlite3 *db, const struct key_seen *k)
{
    const struct sql_suspect *s = &w->suspects[k->suspect];
    _cleanup_(buf_done) struct buf b = {0};
    buf_puts(&b, "SELECT NOT ");
    put_exists(&b, s, true, NULL);
    buf_puts(&b, " AND ");
    put_exists(&b, s, false, NULL);
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, b.data, -1, &stmt, NULL) != SQLITE_OK)
        return false;
    struct error *e = exec__bind(db, stmt, k->values, s->fk->n_columns);
    bool broken = !e && sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int(stmt, 0);
    error_free(e);
    sqlite3_finalize(stmt);
    return broken;
}

/* ---- in words ------------------------------------------------------------------------------- */

static void put_value(struct buf *b, const struct column *c, const struct value *v)
{
    const struct type *t = type_by_oid(c->type);
    if (v->kind == VALUE_NULL || !t)
        buf_puts(b, "null");
    else
        type_print(t, v, c->typmod, b);
}

static void put_key(struct buf *b, const struct table *t, const int *columns, int n,
                    const struct value *values, bool whole_row)
{
    buf_puts(b, "Key (");
    for (int i = 0; i < n; i++) {
        const char *name = t->columns[columns[i]].name;
        buf_puts(b, i ? ", " : "");
        if (whole_row) /* PostgreSQL's own inconsistency: an index quotes its columns */
            sql_quote_identifier(name, b);
        else
            buf_puts(b, name);
    }
    buf_puts(b, ")=(");
    for (int i = 0; i < n; i++) {
        buf_puts(b, i ? ", " : "");
        put_value(b, &t->columns[columns[i]], &values[whole_row ? columns[i] : i]);
    }
    buf_puts(b, ")");
}

/* Key (lower(a))=(x): the keys of an index with expressions, computed from the row. */
static bool put_index_key(struct buf *b, const struct witness *w, sqlite3 *db,
                          const struct catalog_view *v, const struct index *x)
{
    const struct table *t = w->table;
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf sql = {0};
    buf_puts(&sql, "SELECT ");
    struct error *e = sql_emit_index_keys(v, t, x, &a, &sql);
    buf_puts(&sql, " FROM (SELECT NULL");
    for (int i = 0; i < t->n_columns; i++) {
        buf_printf(&sql, ", ?%d AS ", i + 1);
        sql_quote(t->columns[i].name, &sql);
    }
    buf_puts(&sql, ")");
    sqlite3_stmt *stmt = NULL;
    if (!e && sqlite3_prepare_v2(db, sql.data, -1, &stmt, NULL) == SQLITE_OK)
        e = exec__bind(db, stmt, w->row, t->n_columns);
    bool done = !e && stmt && sqlite3_step(stmt) == SQLITE_ROW;
    error_free(e);
    buf_puts(b, "Key (");
    for (int i = 0; i < x->n_columns; i++) {
        buf_puts(b, i ? ", " : "");
        if (x->columns[i] < 0)
            sql_deparse_key(v, t, x->expressions[-1 - x->columns[i]].sql, true, b);
        else
            sql_quote_identifier(t->columns[x->columns[i]].name, b);
    }
    buf_puts(b, ")=(");
    for (int i = 0; i < x->n_columns && done; i++) {
        const struct index_expression *k =
            x->columns[i] < 0 ? &x->expressions[-1 - x->columns[i]] : NULL;
        const struct column c =
            k ? (struct column){.type = k->type, .typmod = k->typmod} : t->columns[x->columns[i]];
        const struct value value = exec__copy_value(sqlite3_column_value(stmt, i), &a);
        buf_puts(b, i ? ", " : "");
        put_value(b, &c, &value);
    }
    buf_puts(b, ")");
    sqlite3_finalize(stmt);
    return done;
}

static struct error *tell_unique(const struct witness *w, sqlite3 *db,
                                 const struct catalog_view *view, struct error *e)
{
    const struct table *t = w->table;
    _cleanup_(buf_done) struct buf b = {0};
    for (int i = 0; i < t->n_keys && !b.len; i++)
        if (!strcmp(t->keys[i].name, e->constraint))
            put_key(&b, t, t->keys[i].columns, t->keys[i].n_columns, w->row, true);
    for (int i = 0; i < t->n_indexes && !b.len; i++) {
        const struct index *x = &t->indexes[i];
        if (strcmp(x->name, e->constraint) != 0)
            continue;
        if (!x->n_expressions)
            put_key(&b, t, x->columns, x->n_columns, w->row, true);
        else if (!put_index_key(&b, w, db, view, x))
            return e;
    }
    return b.len ? error_detail(e, "%s already exists.", b.data) : e;
}

static struct error *tell_row(const struct witness *w, struct error *e)
{
    _cleanup_(buf_done) struct buf b = {0};
    for (int i = 0; i < w->table->n_columns; i++) {
        const struct column *c = &w->table->columns[i];
        const struct value null = {.kind = VALUE_NULL};
        bool missing = error_is(e, E_NOT_NULL) && e->column && !strcmp(e->column, c->name);
        if (c->dropped)
            continue;
        buf_puts(&b, b.len ? ", " : "");
        size_t at = b.len, shown = SHOWN;
        put_value(&b, c, missing ? &null : &w->row[i]);
        if (b.len - at <= SHOWN)
            continue;
        while (shown && ((unsigned char)b.data[at + shown] & 0xc0) == 0x80)
            shown--;
        b.len = at + shown;
        buf_puts(&b, "...");
    }
    return error_detail(e, "Failing row contains (%s).", b.data ? b.data : "");
}

static void replace(char **text, char *with)
{
    mem_free(*text);
    *text = with;
}

struct error *exec__tell_key(const struct sql_suspect *s, const struct value *values,
                             struct error *e)
{
    _cleanup_(buf_done) struct buf b = {0};
    replace(&e->schema, mem_strdup(s->child->schema));
    replace(&e->table, mem_strdup(s->child->name));
    replace(&e->constraint, mem_strdup(s->fk->name));
    if (s->of_parent) {
        replace(
            &e->message,
            mem_printf("update or delete on table \"%s\" violates foreign key constraint \"%s\" "
                       "on table \"%s\"",
                       s->parent->name, s->fk->name, s->child->name));
        if (!values)
            return e;
        put_key(&b, s->parent, s->fk->ref_columns, s->fk->n_columns, values, false);
        return error_detail(e, "%s is still referenced from table \"%s\".", b.data, s->child->name);
    }
    replace(&e->message,
            mem_printf("insert or update on table \"%s\" violates foreign key constraint \"%s\"",
                       s->child->name, s->fk->name));
    if (!values)
        return e;
    put_key(&b, s->child, s->fk->columns, s->fk->n_columns, values, false);
    return error_detail(e, "%s is not present in table \"%s\".", b.data, s->parent->name);
}

struct error *exec__tell_duplicate(const struct table *t, const struct key *k,
                                   const struct value *values)
{
    _cleanup_(buf_done) struct buf b = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct value *row = ARENA_ARRAY(&a, struct value, t->n_columns + 1);
    for (int i = 0; i < k->n_columns; i++)
        row[k->columns[i]] = values[i];
    put_key(&b, t, k->columns, k->n_columns, row, true);
    struct error *e =
        error_new(E_UNIQUE, "duplicate key value violates unique constraint \"%s\"", k->name);
    replace(&e->schema, mem_strdup(t->schema));
    replace(&e->table, mem_strdup(t->name));
    replace(&e->constraint, mem_strdup(k->name));
    return error_detail(e, "%s already exists.", b.data);
}

static struct error *tell_key(const struct witness *w, const struct key_seen *k, struct error *e)
{
    return exec__tell_key(&w->suspects[k->suspect], k->values, e);
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* `e` with what the witness knows, once the statement has run again and ended as `second`. */
static struct error *tell(const struct witness *w, sqlite3 *db, const struct catalog_view *view,
                          struct error *e, const struct error *second)
{
    if (e->datatype)
        return e;
    if (error_is(e, E_FOREIGN_KEY)) {
        if (second && !error_is(second, E_FOREIGN_KEY))
            return e;
        if (second) /* RESTRICT */
            return w->n_keys ? tell_key(w, &w->keys[w->n_keys - 1], e) : e;
        for (int i = 0; i < w->n_keys; i++)
            if (still_broken(w, db, &w->keys[i]))
                return tell_key(w, &w->keys[i], e);
        return e;
    }
    if (error_is(e, E_NOT_NULL) && !second && w->found && e->table)
        return tell_row(w, e);
    if (!second || strcmp(second->sqlstate, e->sqlstate) != 0 || !w->has_row || !e->table ||
        strcmp(e->table, w->table->name) != 0)
        return e;
    return error_is(e, E_UNIQUE) ? e->constraint ? tell_unique(w, db, view, e) : e : tell_row(w, e);
}

static bool is_violation(const struct error *e)
{
    return error_is(e, E_UNIQUE) || error_is(e, E_NOT_NULL) || error_is(e, E_CHECK) ||
           error_is(e, E_FOREIGN_KEY);
}

/* The table that is written, or one that the action of a foreign key reaches. */
static const struct table *violated_table(const struct catalog_view *view,
                                          const struct write *write, const struct error *e)
{
    const struct table *target = write->target->table;
    if (!e->schema || !e->table ||
        (strcmp(e->table, target->name) == 0 && strcmp(e->schema, target->schema) == 0))
        return target;
    const struct table *other = catalog_table(view, e->schema, e->table);
    return other && other->region == target->region ? other : target;
}

struct error *exec__violation(struct exec_session *s, const struct catalog_view *view,
                              const struct write *write, struct store_conn *c, const char *sql,
                              size_t len, const struct value *params, int n, struct error *e)
{
    sqlite3 *db = store_db(c);
    if (!is_violation(e) || !write)
        return e;
    const struct query q = {.kind = write->kind, .write = (struct write *)write};
    e = sql_name_constraint(view, &q, e);
    if (sqlite3_get_autocommit(db) || !run_sql(db, "SAVEPOINT \"minisql violation\""))
        return e;
    struct witness w = {.table = violated_table(view, write, e), .key = -1};
    if (error_is(e, E_NOT_NULL) && e->column)
        w.key = table_column(w.table, e->column);
    bool foreign = error_is(e, E_FOREIGN_KEY);
    w.row = ARENA_ARRAY(&w.arena, struct value, w.table->n_columns + 1);
    w.keys = ARENA_ARRAY(&w.arena, struct key_seen, KEYS);
    if (foreign)
        w.n_suspects = sql_suspects(view, &q, w.suspects, SUSPECTS);
    if ((!foreign || run_sql(db, "PRAGMA defer_foreign_keys = ON")) && watch(&w, db)) {
        const struct types_host host = {.ctx = s, .sequence = drawn_before};
        const struct types_host *before = types_host_set(&host);
        types_count_missing(&w.missing);
        struct error *second = again(db, sql, len, params, n);
        types_count_missing(NULL);
        types_host_set(before);
        e = tell(&w, db, view, e, second);
        error_free(second);
    }
    run_sql(db, "ROLLBACK TO \"minisql violation\"; RELEASE \"minisql violation\"");
    const struct held *h = exec__held(s, write->target->table->region);
    if (foreign && !(h && h->counts_all))
        run_sql(db, "PRAGMA defer_foreign_keys = OFF");
    forget_functions(db);
    arena_done(&w.row_arena);
    arena_done(&w.arena);
    return e;
}
