/*
 * Running SQLite statements: binding, stepping, cancelling, and private connections.
 *
 * A statement is cancelled through SQLite's progress handler, which looks at the session's flag:
 * sqlite3_interrupt() from another thread could hit the next user of a pooled connection.
 */
#include "exec/exec_int.h"

enum { PROGRESS_OPS = 5000, SCRATCH_STATEMENTS = 200 };

static int check_cancel(void *ctx)
{
    struct exec_session *s = ctx;
    return atomic_load_explicit(&s->cancel, memory_order_relaxed);
}

void exec__watch_cancel(struct exec_session *s, sqlite3 *db)
{
    sqlite3_progress_handler(db, s ? PROGRESS_OPS : 0, s ? check_cancel : NULL, s);
}

struct error *exec__canceled(void)
{
    return error_new(E_CANCELED, "canceling statement due to user request");
}

struct error *exec__bind(sqlite3 *db, sqlite3_stmt *stmt, const struct value *params, int n)
{
    int wanted = sqlite3_bind_parameter_count(stmt);
    if (wanted > n)
        return error_new(E_PROTOCOL, "the statement needs %d parameters, but has %d", wanted, n);
    for (int i = 0; i < wanted; i++) {
        int rc = value_bind(stmt, i + 1, &params[i]);
        if (rc != SQLITE_OK)
            return types_sqlite_error(db, rc);
    }
    return NULL;
}

static struct error *step_rows(sqlite3 *db, sqlite3_stmt *stmt, struct value *values, int n,
                               exec__row_fn row, void *ctx)
{
    for (;;) {
        int rc = sqlite3_step(stmt);
        if (rc == SQLITE_DONE)
            return NULL;
        if (rc != SQLITE_ROW)
            return types_sqlite_error(db, rc);
        if (!row)
            continue;
        for (int i = 0; i < n; i++)
            values[i] = value_from_column(stmt, i);
        TRY(row(ctx, values, n));
    }
}

struct error *exec__step_all(struct exec_session *s, sqlite3 *db, sqlite3_stmt *stmt,
                             exec__row_fn row, void *ctx)
{
    struct value small[32];
    int n = sqlite3_column_count(stmt);
    struct value *values =
        n > (int)ARRAY_LEN(small) ? mem_alloc(sizeof(*values) * (size_t)n) : small;
    exec__watch_cancel(s, db);
    const struct types_host *before = types_host_set(&s->host);
    struct error *e = step_rows(db, stmt, values, n, row, ctx);
    types_host_set(before);
    exec__watch_cancel(NULL, db);
    if (values != small)
        mem_free(values);
    if (error_is(e, E_CANCELED)) {
        error_free(e);
        e = exec__canceled();
    }
    return e;
}

/* ---- private connections -------------------------------------------------------------------- */

static struct error *scratch_open(struct scratch **ret)
{
    struct scratch *c = NEW(struct scratch);
    int rc = sqlite3_open_v2(
        ":memory:", &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    struct error *e = rc == SQLITE_OK ? types_register(c->db) : types_sqlite_error(c->db, rc);
    if (e) {
        exec__scratch_free(c);
        return e;
    }
    *ret = c;
    return NULL;
}

struct error *exec__scratch_get(struct exec *e, struct scratch **ret)
{
    pthread_mutex_lock(&e->lock);
    struct scratch *c = e->scratch;
    if (c)
        e->scratch = c->next;
    pthread_mutex_unlock(&e->lock);
    if (!c)
        return scratch_open(ret);
    *ret = c;
    return NULL;
}

void exec__scratch_put(struct exec *e, struct scratch *c)
{
    pthread_mutex_lock(&e->lock);
    c->next = e->scratch;
    e->scratch = c;
    pthread_mutex_unlock(&e->lock);
}

static void forget_statements(struct scratch *c)
{
    void *stmt;
    for (size_t i = 0; map_next(&c->stmts, &i, &stmt);)
        sqlite3_finalize(stmt);
    map_done(&c->stmts);
    c->stmts = (struct map){0};
}

void exec__scratch_free(struct scratch *c)
{
    forget_statements(c);
    sqlite3_close(c->db);
    mem_free(c);
}

struct error *exec__scratch_prepare(struct scratch *c, const char *sql, size_t len,
                                    sqlite3_stmt **ret)
{
    sqlite3_stmt *stmt = map_get(&c->stmts, sql, len);
    if (!stmt) {
        if (c->stmts.len >= SCRATCH_STATEMENTS)
            forget_statements(c);
        int rc = types_sqlite_prepare(c->db, sql, len, SQLITE_PREPARE_PERSISTENT, &stmt);
        if (rc != SQLITE_OK)
            return types_sqlite_error(c->db, rc);
        map_put(&c->stmts, sql, len, stmt);
    }
    *ret = stmt;
    return NULL;
}
