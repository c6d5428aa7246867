/*
 * Many rows into one table: COPY FROM, and INSERT .. SELECT from elsewhere.
 *
 * Both run one INSERT again and again inside a transaction that holds the region: on the writer
 * connection here, or as a COPY stream to the primary's server. A transaction of the session's own
 * is begun and ended along with it.
 *
 * INSERT .. SELECT first gathers its rows into a spool (memory, then a temporary file), so that the
 * region's writer is not held while other servers are read.
 */
#include "exec/exec_int.h"

#include <errno.h>

enum { MESSAGE_BYTES = 64 * 1024, PROGRESS_ROWS = 1024 };

struct exec_copy {
    struct exec_session *s;
    struct region_txn *txn;  /* here */
    struct peer_conn *there; /* there */
    struct plan *plan;
    bool own; /* transaction */
    struct value *params;
    int n_params;
    struct arena arena;      /* of the hidden ones */
    int row_at, row_n;       /* where in `params` a row goes */
    struct store_conn *conn; /* here */
    sqlite3_stmt *stmt;
    struct buf out; /* there: rows not sent yet */
    bool copying;   /* there: the COPY is open */
    exec__row_fn returning;
    void *ctx;
    int64_t rows;
};

static bool is_temporary(const struct exec_copy *c)
{
    return c->plan->region == CATALOG_TEMP_REGION;
}

/* ---- here ----------------------------------------------------------------------------------- */

/* The rows of RETURNING, the first of which the statement stands on. */
static struct error *give_returning(struct exec_copy *c, int *rc)
{
    int n = sqlite3_column_count(c->stmt);
    struct value *values = mem_alloc(sizeof(*values) * (size_t)n);
    struct error *e = NULL;
    for (; !e && *rc == SQLITE_ROW; *rc = sqlite3_step(c->stmt)) {
        for (int i = 0; i < n; i++)
            values[i] = value_from_column(c->stmt, i);
        if (c->returning)
            e = c->returning(c->ctx, values, n);
    }
    mem_free(values);
    return e;
}

static struct error *insert_here(struct exec_copy *c)
{
    sqlite3 *db = store_db(c->conn);
    if (c->s->unchecked)
        TRY(store_leave_keys(c->conn, true));
    TRY(exec__bind(db, c->stmt, c->params, c->n_params));
    struct error *e = NULL;
    const struct types_host *host = types_host_set(&c->s->host);
    int told = exec__watch_keys(c->s);
    int rc = sqlite3_step(c->stmt);
    if (rc == SQLITE_ROW)
        e = give_returning(c, &rc);
    types_host_set(host);
    if (!e && rc != SQLITE_DONE)
        e = types_sqlite_error(db, rc);
    exec__watch_keys_end(c->s, told, e != NULL);
    sqlite3_reset(c->stmt);
    error_free(store_leave_keys(c->conn, false));
    if (e)
        return exec__violation(c->s, c->plan->view, c->plan->query->write, c->conn, c->plan->sql,
                               c->plan->sql_len, c->params, c->n_params, e);
    int64_t before = c->rows;
    c->rows += sqlite3_changes64(db);
    if (is_temporary(c))
        return NULL;
    if (c->s->n_savepoints == 0 && before / PROGRESS_ROWS != c->rows / PROGRESS_ROWS)
        return region_txn_progress(c->txn);
    return NULL;
}

/* ---- there ---------------------------------------------------------------------------------- */

static struct error *send_rows(struct exec_copy *c)
{
    struct error *e = exec__peer_copy_data(c->s, c->there, c->out.data, c->out.len);
    buf_clear(&c->out);
    return e;
}

static struct error *insert_there(struct exec_copy *c)
{
    exec_rows_put(&c->out, c->params, c->n_params);
    c->rows++;
    return c->out.len >= MESSAGE_BYTES ? send_rows(c) : NULL;
}

/* What the session has drawn from sequences goes there before, if some are its own, and comes back
 * afterwards. */
static struct error *exchange_drawn(struct exec_copy *c, bool before)
{
    _cleanup_(buf_done) struct buf args = {0};
    int64_t count = 0;
    if (!c->plan->query->n_sequences || (before && !c->s->n_made))
        return NULL;
    exec__args_put(&args, NULL, NULL, 0, c->s);
    return exec__peer_run(c->s, c->there, "DRAWN", before ? &args : NULL, NULL, NULL, &count, NULL);
}

static struct error *begin_there(struct exec_copy *c)
{
    if (c->plan->returns)
        return error_hint(error_new(E_UNSUPPORTED,
                                    "RETURNING of rows inserted from another region is not "
                                    "supported while the target is on another server"),
                          "Leave RETURNING out and select the rows afterwards.");
    TRY(exchange_drawn(c, true));
    char *text = mem_printf("COPY %llu %d\n%s", (unsigned long long)c->plan->region,
                            c->s->unchecked, c->plan->sql);
    struct error *e = exec__peer_copy_begin(c->s, c->there, text);
    mem_free(text);
    c->copying = !e;
    return e;
}

/* ---- life ----------------------------------------------------------------------------------- */

static void copy_free(struct exec_copy *c)
{
    if (c->stmt)
        store_release(c->conn, c->stmt);
    buf_done(&c->out);
    plan_unref(c->plan);
    mem_free(c->params);
    arena_done(&c->arena);
    mem_free(c);
}

static struct error *take_hold(struct exec_copy *c, uint64_t deadline)
{
    unsigned tries = 0;
    for (;;) {
        struct error *e = exec__hold(c->s, c->plan->region, c->plan->schema_version, deadline);
        if (!e || c->s->lost || !exec__is_retryable(e))
            return e;
        e = exec__wait_retry(c->s, c->plan->region, deadline, &tries, e);
        if (e)
            return e;
    }
}

static struct error *open_insert(struct exec_copy *c, uint64_t deadline)
{
    if (is_temporary(c)) {
        TRY(exec__temp_begin(c->s));
        TRY(exec__temp_conn(c->s, &c->conn));
    } else {
        TRY(take_hold(c, deadline));
        struct held *h = exec__held(c->s, c->plan->region);
        h->wrote = true;
        c->txn = h->txn;
        c->there = h->conn;
        if (h->kind == HELD_REMOTE)
            return begin_there(c);
        c->conn = store_writer(region_txn_store(c->txn));
    }
    return store_prepare(c->conn, c->plan->sql, c->plan->sql_len, &c->stmt);
}

/* An error that ended it: the transaction, if it is our own, goes too. */
static struct error *copy_failed(struct exec_copy *c, struct error *e)
{
    struct exec_session *s = c->s;
    if (c->copying)
        error_free(exec__peer_copy_end(s, c->there, false, NULL));
    if (c->stmt)
        store_release(c->conn, c->stmt);
    c->stmt = NULL;
    e = e ? exec__held_failed(s, e) : NULL;
    if (c->own)
        exec_rollback(s);
    copy_free(c);
    return e;
}

static struct error *copy_open(struct exec_session *s, struct plan *plan, int n_params, int row_at,
                               int row_n, uint64_t deadline, struct exec_copy **ret)
{
    struct exec_copy *c = NEW(struct exec_copy);
    c->s = s;
    c->plan = plan_ref(plan);
    c->own = !s->in_transaction;
    c->n_params = n_params;
    c->row_at = row_at;
    c->row_n = row_n;
    c->params = mem_zalloc(sizeof(*c->params) * (size_t)(n_params + 1));
    if (c->own)
        error_free(exec_begin(s));
    struct error *e = open_insert(c, deadline);
    if (e)
        return copy_failed(c, e);
    *ret = c;
    return NULL;
}

static struct error *set_hidden(struct exec_copy *c, int at)
{
    const struct query *q = c->plan->query;
    struct error *e = NULL;
    for (int i = 0; i < q->n_hidden && !e; i++)
        e = exec__hidden(c->s, q, i, NULL, &c->arena, &c->params[at + i]);
    return e;
}

struct error *exec_copy_begin(struct exec_session *s, struct plan *plan, struct exec_copy **ret)
{
    const struct query *q = plan->query;
    atomic_store_explicit(&s->cancel, false, memory_order_relaxed);
    if (plan->kind != PLAN_REGION || !plan->writes)
        return error_hint(error_new(E_UNSUPPORTED, "COPY FROM cannot compute a default of the "
                                                   "table that asks for the catalog"),
                          "Say all columns, or INSERT.");
    struct exec_copy *c = NULL;
    TRY(exec__enter(s)); /* left when it ends */
    struct error *e = copy_open(s, plan, q->n_params + q->n_hidden, 0, q->n_params,
                                clock_ms() + s->exec->settings.retry_ms, &c);
    if (error_is(e, E_STALE_SCHEMA))
        exec__catch_up(s->exec);
    if (e) {
        exec__leave(s);
        return e;
    }
    e = set_hidden(c, q->n_params);
    if (e) {
        e = copy_failed(c, e);
        exec__leave(s);
        return e;
    }
    *ret = c;
    return NULL;
}

struct error *exec_copy_row(struct exec_copy *c, const struct value *values, int n)
{
    if (n != c->row_n)
        return error_new(E_INTERNAL, "a row of %d values for %d parameters", n, c->row_n);
    memcpy(c->params + c->row_at, values, sizeof(*values) * (size_t)n);
    if (c->copying)
        return insert_there(c);
    if (atomic_load_explicit(&c->s->cancel, memory_order_relaxed))
        return exec__canceled();
    return insert_here(c);
}

/* Over there nobody looked at the row; where it can only be one foreign key, that is named. */
static struct error *name_only_key(const struct exec_copy *c, struct error *e)
{
    struct sql_suspect x[2];
    const struct write *w = c->plan->query->write;
    if (!e || e->schema || !w || !error_is(e, E_FOREIGN_KEY))
        return e;
    const struct query q = {.kind = w->kind, .write = (struct write *)(uintptr_t)w};
    return sql_suspects(c->plan->view, &q, x, 2) == 1 ? exec__tell_key(&x[0], NULL, e) : e;
}

static struct error *end_insert(struct exec_copy *c)
{
    if (is_temporary(c))
        return NULL;
    if (!c->copying) {
        TRY(exec__statement_ends(c->s, region_txn_store(c->txn), c->plan->region));
        return c->s->n_savepoints == 0 ? region_txn_progress(c->txn) : NULL;
    }
    if (c->out.len > 0)
        TRY(send_rows(c));
    c->copying = false;
    TRY(name_only_key(c, exec__peer_copy_end(c->s, c->there, true, &c->rows)));
    return exchange_drawn(c, false);
}

struct error *exec_copy_end(struct exec_copy *c, int64_t *ret_rows)
{
    struct exec_session *s = c->s;
    struct error *e = end_insert(c);
    if (e) {
        e = copy_failed(c, e);
        exec__leave(s);
        return e;
    }
    bool own = c->own;
    *ret_rows = c->rows;
    copy_free(c);
    exec__leave(s);
    return own ? exec_commit(s) : NULL;
}

void exec_copy_abort(struct exec_copy *c)
{
    if (!c)
        return;
    struct exec_session *s = c->s;
    error_free(copy_failed(c, NULL));
    exec__leave(s);
}

/* ---- INSERT .. SELECT ----------------------------------------------------------------------- */

struct spool {
    struct buf buf; /* the last block */
    FILE *file;     /* those before it, each after its length; NULL: none */
    size_t limit;
    int width;
};

static struct error *spool_failed(const char *what)
{
    return error_errno(errno == ENOSPC ? E_DISK_FULL : E_IO, errno, "could not %s a temporary file",
                       what);
}

static struct error *spool_flush(struct spool *p)
{
    uint64_t len = p->buf.len;
    if (!p->file)
        p->file = tmpfile();
    if (!p->file || fwrite(&len, sizeof(len), 1, p->file) != 1 ||
        fwrite(p->buf.data, 1, len, p->file) != len)
        return spool_failed("write");
    buf_clear(&p->buf);
    return NULL;
}

static struct error *spool_row(void *ctx, const struct value *values, int n)
{
    struct spool *p = ctx;
    p->width = n;
    exec_rows_put(&p->buf, values, n);
    return p->buf.len >= p->limit ? spool_flush(p) : NULL;
}

static struct error *unspool_row(void *ctx, const struct value *values, int n)
{
    return exec_copy_row(ctx, values, n);
}

static struct error *unspool_block(const char *data, size_t len, struct exec_copy *c)
{
    int64_t count = 0;
    bool end = false;
    return exec__stream_get(data, len, NULL, unspool_row, c, &count, &end);
}

static struct error *unspool(struct spool *p, struct exec_copy *c)
{
    _cleanup_(buf_done) struct buf b = {0};
    uint64_t len;
    if (p->file && fflush(p->file) != 0)
        return spool_failed("write");
    if (p->file)
        rewind(p->file);
    while (p->file && fread(&len, sizeof(len), 1, p->file) == 1) {
        buf_clear(&b);
        buf_reserve(&b, len);
        if (fread(b.data, 1, len, p->file) != len)
            return spool_failed("read");
        TRY(unspool_block(b.data, len, c));
    }
    if (p->file && ferror(p->file))
        return spool_failed("read");
    return unspool_block(p->buf.data, p->buf.len, c);
}

static struct error *give_row(void *ctx, const struct value *values, int n)
{
    return exec__emit(ctx, values, n);
}

static struct error *insert_spooled(struct run *r, struct spool *p)
{
    struct exec_copy *c;
    TRY(copy_open(r->s, r->plan, r->n_params + p->width, r->n_params, p->width, r->deadline, &c));
    if (r->n_params)
        memcpy(c->params, r->params, sizeof(*r->params) * (size_t)r->n_params);
    c->returning = give_row;
    c->ctx = r;
    struct error *e = unspool(p, c);
    if (e)
        return copy_failed(c, e);
    return exec_copy_end(c, &r->rows);
}

struct error *exec__run_insert(struct run *r)
{
    struct spool p = {.limit = MAX(r->s->memory / 4, (size_t)4096)};
    bool own = !r->s->in_transaction;
    struct error *e = exec__run_gather(r, r->plan->gather, spool_row, &p);
    if (!e)
        e = insert_spooled(r, &p);
    if (p.file)
        fclose(p.file);
    buf_done(&p.buf);
    if (own && error_is(e, E_SERIALIZATION)) {
        /* Our own transaction was lost, and surely did not commit: that can be tried again. */
        struct error *again = error_new(E_NOT_PRIMARY, "%s", e->message);
        error_free(e);
        return again;
    }
    return e;
}
