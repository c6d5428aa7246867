/*
 * A statement in one region: here through region/, or at the primary's server.
 *
 *   held by the session's transaction    its writer connection; or RUN over the connection that is
 * in BEGIN a write (or FOR UPDATE) in a transaction that holds nothing yet: take hold of the region
 * first an autocommit write, here            region_write: runs in somebody's batch, its result
 * comes back as a stream (rows.c) a read, here                         a reader connection, the
 * lease checked before and after elsewhere                            RUN with the request id
 */
#include "exec/exec_int.h"

static struct error *emit_row(void *ctx, const struct value *values, int n)
{
    return exec__emit(ctx, values, n);
}

/* ---- statements on a store connection ------------------------------------------------------- */

static struct error *run_stmt(struct run *r, struct store_conn *c, exec__row_fn row, void *ctx)
{
    sqlite3_stmt *stmt;
    TRY(store_prepare(c, r->plan->sql, r->plan->sql_len, &stmt));
    struct error *e = exec__bind(store_db(c), stmt, r->params, r->n_params);
    if (!e)
        e = exec__step_all(r->s, store_db(c), stmt, row, ctx);
    store_release(c, stmt);
    return e;
}

/* DO UPDATE of several rows: no row twice. */
static bool changes_once(const struct write *w)
{
    return w && w->conflict && w->conflict->update &&
           !(w->select->kind == SELECT_VALUES && w->select->n_rows == 1);
}

static struct error *changed_twice(void)
{
    return error_hint(error_new("21000", "ON CONFLICT DO UPDATE command cannot affect row a second "
                                         "time"),
                      "Ensure that no rows proposed for insertion within the same command have "
                      "duplicate constrained values.");
}

struct error *exec__write_stmt(struct run *r, struct store_conn *c, const char *sql, size_t len,
                               const struct write *w, exec__row_fn row, void *ctx)
{
    sqlite3_stmt *stmt;
    bool once = changes_once(w);
    TRY(store_prepare(c, sql, len, &stmt));
    if (once)
        store_once_begin(c, table_file_name(w->target->table));
    int told = exec__watch_keys(r->s);
    struct error *e = exec__bind(store_db(c), stmt, r->params, r->n_params);
    if (!e)
        e = exec__step_all(r->s, store_db(c), stmt, row, ctx);
    exec__watch_keys_end(r->s, told, e != NULL);
    if (once && store_once_end(c) && (!e || error_is(e, "23503"))) {
        error_free(e); /* foreign keys are looked at last */
        e = changed_twice();
    }
    store_release(c, stmt);
    return e ? exec__violation(r->s, r->plan->view, w, c, sql, len, r->params, r->n_params, e)
             : NULL;
}

/* A write: *ret_count rows affected. TRUNCATE is several statements of one kind. */
static struct error *run_checked(struct run *r, struct store_conn *c, exec__row_fn row, void *ctx,
                                 int64_t *ret_count)
{
    sqlite3 *db = store_db(c);
    if (r->plan->query->kind == QUERY_TRUNCATE) {
        *ret_count = 0;
        return store_exec(c, r->plan->sql);
    }
    if (r->plan->staged)
        return exec__run_stages(r, c, row, ctx, ret_count);
    TRY(exec__write_stmt(r, c, r->plan->sql, r->plan->sql_len, r->plan->query->write, row, ctx));
    *ret_count = r->plan->writes ? sqlite3_changes64(db) : 0;
    return NULL;
}

static struct error *run_write_stmt(struct run *r, struct store_conn *c, exec__row_fn row,
                                    void *ctx, int64_t *ret_count)
{
    if (!r->s->unchecked)
        return run_checked(r, c, row, ctx, ret_count);
    TRY(store_leave_keys(c, true));
    struct error *e = run_checked(r, c, row, ctx, ret_count);
    error_free(store_leave_keys(c, false));
    return e;
}

static struct error *named(struct run *r, struct error *e)
{
    return e ? sql_name_constraint(r->plan->view, r->plan->query, e) : NULL;
}

/* A stage violates a foreign key, which a later one may mend, or that may fail otherwise. So SQLite
 * looks at foreign keys only after all of them, as PostgreSQL does. In between it counts in another
 * place, which has to begin with nothing. */
static struct error *run_with_late_keys(struct run *r, struct store *store, exec__row_fn row,
                                        void *ctx, int64_t *ret_count)
{
    TRY(store_defer_foreign_keys(store, true));
    TRY(store_mark(store));
    struct error *e = named(r, run_write_stmt(r, store_writer(store), row, ctx, ret_count));
    if (!e)
        e = exec__look_at_keys(r->s, store, r->plan->region);
    if (store_ended(store))
        return e;
    error_free(e ? store_rollback_to(store) : store_release_mark(store));
    exec__keys_late_end(r->s, store, r->plan->region);
    return e;
}

static struct error *run_once(struct run *r, struct store *store, exec__row_fn row, void *ctx,
                              int64_t *ret_count)
{
    TRY(named(r, run_write_stmt(r, store_writer(store), row, ctx, ret_count)));
    return exec__statement_ends(r->s, store, r->plan->region);
}

static struct error *run_write(struct run *r, struct store *store, exec__row_fn row, void *ctx,
                               int64_t *ret_count)
{
    if (!exec__changes_in_stages(r))
        return run_once(r, store, row, ctx, ret_count);
    TRY(store_mark(store));
    r->keys_early = false;
    struct error *e = run_once(r, store, row, ctx, ret_count);
    if (store_ended(store))
        return e;
    if (!e)
        return store_release_mark(store);
    error_free(store_rollback_to(store));
    if (!r->keys_early || store_has_violations(store))
        return e;
    error_free(e);
    return run_with_late_keys(r, store, row, ctx, ret_count);
}

struct error *exec__run_on(struct run *r, struct store_conn *c)
{
    int64_t count = 0;
    TRY(named(r, run_write_stmt(r, c, emit_row, r, &count)));
    if (r->plan->writes)
        r->rows = count;
    return NULL;
}

/* ---- here ----------------------------------------------------------------------------------- */

static struct error *read_here(struct run *r)
{
    struct region_read read;
    TRY(region_read_begin(r->e->regions, r->plan->region, r->plan->schema_version, &read));
    struct error *e = region_read_check(&read, run_stmt(r, read.conn, emit_row, r));
    region_read_end(&read);
    return e;
}

static struct error *put_row(void *ctx, const struct value *values, int n)
{
    struct buf *out = ctx;
    if (out->len > UINT32_MAX / 4)
        return error_hint(error_new("54000", "RETURNING gives more than 1 GB"),
                          "Change fewer rows at once, or leave RETURNING out.");
    exec_rows_put(out, values, n);
    return NULL;
}

/* On whatever thread leads the batch. */
static struct error *write_in_batch(void *ctx, struct store *s, struct buf *result)
{
    struct run *r = ctx;
    int64_t count;
    exec__drawn_settle(r->s);
    const struct style *before = style_use(&r->plan->query->style);
    struct error *e = run_write(r, s, put_row, result, &count);
    style_use(before);
    if (!e)
        exec__end_put(result, r->s, count);
    return e;
}

static struct error *write_here(struct run *r)
{
    struct region_write w = {
        .region = r->plan->region,
        .schema_version = r->plan->schema_version,
        .request = r->request,
        .run = write_in_batch,
        .ctx = r,
        .patience = {.cancel = &r->s->cancel, .timeout_ms = r->s->lock_timeout_ms},
    };
    struct error *e = named(r, region_write(r->e->regions, &w));
    r->doubt |= e && w.logged && exec__is_retryable(e);
    int64_t count = 0;
    bool end = false;
    if (!e)
        e = exec__stream_get(w.result.data, w.result.len, r->s, emit_row, r, &count, &end);
    buf_done(&w.result);
    if (!e)
        r->rows = count;
    return e;
}

static struct error *in_txn(struct run *r, const struct held *h)
{
    struct region_txn *txn = h->txn;
    struct store *store = region_txn_store(txn);
    int64_t count = 0;
    struct error *e = run_write(r, store, emit_row, r, &count);
    if (e && store_ended(store)) { /* it was cancelled: no savepoint is there to go back to */
        exec__drop_held(r->s);
        r->s->lost = true;
    }
    if (e || !r->plan->writes)
        return e;
    r->rows = count;
    /* Parts that are logged can't be undone by a savepoint any more. */
    return r->s->n_savepoints == 0 ? region_txn_progress(txn) : NULL;
}

/* ---- there ---------------------------------------------------------------------------------- */

static void run_text(const struct run *r, struct buf *out)
{
    const struct query *q = r->plan->query;
    const struct catalog_view *v = r->plan->view;
    uint64_t newest = v->schema <= v->revision ? v->schema : 0; /* 0: a draft, which is there */
    buf_printf(out, "RUN %llu %llu %llu %llu %d ", (unsigned long long)r->plan->region,
               (unsigned long long)r->plan->schema_version, (unsigned long long)newest,
               (unsigned long long)r->s->lock_timeout_ms, r->s->unchecked);
    for (int i = 0; i < q->n_params; i++)
        buf_printf(out, "%s%u", i > 0 ? "," : "", q->params[i]);
    buf_printf(out, "%s%s%s\n%s", q->n_params == 0 ? "-" : "", q->names ? " " : "",
               q->names ? q->names : "", r->plan->text);
}

static struct error *run_at(struct run *r, struct peer_conn *c)
{
    _cleanup_(buf_done) struct buf text = {0}, args = {0};
    run_text(r, &text);
    exec__args_put(&args, r->plan->writes ? &r->request : NULL, r->params, exec__stage_sent(r),
                   r->plan->query->reads_drawn || r->s->n_made ? r->s : NULL);
    int64_t count = 0;
    TRY(exec__peer_run(r->s, c, text.data, &args, emit_row, r, &count, NULL));
    if (r->plan->writes)
        r->rows = count;
    return NULL;
}

static struct error *run_there(struct run *r, const char *server)
{
    struct peer_conn *c;
    TRY(exec__peer_get(r->s, server, r->plan->region, r->deadline, &c));
    struct error *e = run_at(r, c);
    r->doubt |= e && r->plan->writes && exec__is_retryable(e);
    exec__peer_put(c);
    return e;
}

/* ---- a statement ---------------------------------------------------------------------------- */

static struct error *run_held(struct run *r, struct held *h)
{
    h->wrote |= r->plan->writes;
    struct error *e = h->kind == HELD_LOCAL ? in_txn(r, h) : run_at(r, h->conn);
    return e ? exec__held_failed(r->s, e) : NULL;
}

struct error *exec__run_region(struct run *r)
{
    struct exec_session *s = r->s;
    const struct plan *p = r->plan;
    bool changes = p->writes || p->locks;
    if (!r->here)
        TRY(exec__stage_pull(r));
    if (p->region == CATALOG_TEMP_REGION)
        return exec__temp_run(r);
    if (s->in_transaction && changes)
        TRY(exec__hold(s, p->region, p->schema_version, r->deadline));
    struct held *held = exec__held(s, p->region);
    if (held)
        return run_held(r, held);
    if (s->snapshots && !changes)
        return exec__read(r, p->region, p->schema_version, p->sql, p->sql_len, NULL, emit_row, r);
    struct place at = {.here = true};
    if (!r->here)
        TRY(exec__place(r->e, p->region, &at));
    if (!at.here)
        return run_there(r, at.server);
    if (p->query->n_sequences > 0 && !s->draft)
        TRY(exec__sequences_ready(r->e, p->query));
    return p->writes ? write_here(r) : read_here(r);
}

/* ---- a fragment ----------------------------------------------------------------------------- */

static struct error *scan_on(struct run *r, struct store_conn *c, const char *sql, size_t len,
                             const struct plan_scan *scan, exec__row_fn row, void *ctx)
{
    if (scan)
        return exec__pull(r->s, c, sql, len, r->params, r->n_params, scan, row, ctx);
    sqlite3_stmt *stmt;
    TRY(store_prepare(c, sql, len, &stmt));
    struct error *e = exec__bind(store_db(c), stmt, r->params, r->n_params);
    if (!e && !sqlite3_stmt_readonly(stmt) && !sqlite3_stmt_isexplain(stmt))
        e = error_new(E_PROTOCOL, "a fragment must not write");
    if (!e)
        e = exec__step_all(r->s, store_db(c), stmt, row, ctx);
    store_release(c, stmt);
    return e;
}

/* Rows that were given before their reader stopped count, too. */
static struct error *checked(const struct region_read *read, struct error *e)
{
    if (!error_is(e, E_ENOUGH))
        return region_read_check(read, e);
    struct error *stale = region_read_check(read, NULL);
    if (!stale)
        return e;
    error_free(e);
    return stale;
}

static struct error *scan_here(struct run *r, uint64_t region, uint64_t schema_version,
                               const char *sql, size_t len, const struct plan_scan *scan,
                               exec__row_fn row, void *ctx)
{
    struct region_read read;
    TRY(region_read_begin(r->e->regions, region, schema_version, &read));
    struct error *e = checked(&read, scan_on(r, read.conn, sql, len, scan, row, ctx));
    region_read_end(&read);
    return e;
}

static struct error *scan_at(struct run *r, struct peer_conn *c, uint64_t region,
                             uint64_t schema_version, const char *sql, exec__row_fn row, void *ctx)
{
    _cleanup_(buf_done) struct buf text = {0}, args = {0};
    _cleanup_(arena_done) struct arena a = {0};
    const struct style style = r->plan ? r->plan->query->style : (struct style){0};
    const char *word = style_word(&style, &a);
    buf_printf(&text, "FRAG %llu %llu", (unsigned long long)region,
               (unsigned long long)schema_version);
    if (style.zone || *word)
        buf_printf(&text, " %s%s%s", zone_name(style.zone), *word ? " " : "", word);
    buf_printf(&text, "\n%s", sql);
    exec__args_put(&args, NULL, r->params, r->n_params, NULL);
    return exec__peer_run(r->s, c, text.data, &args, row, ctx, NULL, NULL);
}

static const struct pin *pin_of(const struct run *r, uint64_t region)
{
    for (int i = 0; i < r->n_pins; i++)
        if (r->pins[i].region == region)
            return &r->pins[i];
    return NULL;
}

struct error *exec__read(struct run *r, uint64_t region, uint64_t schema_version, const char *sql,
                         size_t sql_len, const struct plan_scan *scan, exec__row_fn row, void *ctx)
{
    const struct exec_session *s = r->s;
    const struct held *h = exec__held(s, region);
    struct store_conn *here;
    if (region == CATALOG_TEMP_REGION) {
        TRY(exec__temp_conn(r->s, &here));
        return scan_on(r, here, sql, sql_len, scan, row, ctx);
    }
    if (h) {
        struct error *e =
            h->kind == HELD_LOCAL
                ? scan_on(r, store_writer(region_txn_store(h->txn)), sql, sql_len, scan, row, ctx)
                : scan_at(r, h->conn, region, schema_version, sql, row, ctx);
        return e ? exec__held_failed(r->s, e) : NULL;
    }
    const struct pin *pin = pin_of(r, region);
    if (pin)
        return pin->conn ? scan_at(r, pin->conn, region, schema_version, sql, row, ctx)
                         : scan_on(r, pin->read.conn, sql, sql_len, scan, row, ctx);
    struct peer_conn *there;
    TRY(exec__snapshot(r, region, schema_version, &here, &there));
    if (here)
        return scan_on(r, here, sql, sql_len, scan, row, ctx);
    if (there)
        return exec__snapshot_failed(r->s,
                                     scan_at(r, there, region, schema_version, sql, row, ctx));
    struct place at = {.here = true};
    if (!r->here)
        TRY(exec__place(r->e, region, &at));
    if (at.here)
        return scan_here(r, region, schema_version, sql, sql_len, scan, row, ctx);
    struct peer_conn *c;
    TRY(exec__peer_get(r->s, at.server, region, r->deadline, &c));
    struct error *e = scan_at(r, c, region, schema_version, sql, row, ctx);
    exec__peer_put(c);
    return e;
}

struct error *exec__scan(struct run *r, const struct plan_scan *scan, exec__row_fn row, void *ctx)
{
    return exec__read(r, scan->region, scan->schema_version, scan->sql, scan->sql_len, scan, row,
                      ctx);
}

/* ---- one snapshot for several scans --------------------------------------------------------- */

static struct error *pin_here(struct run *r, const struct plan_scan *s, struct pin *p)
{
    TRY(region_read_begin(r->e->regions, s->region, s->schema_version, &p->read));
    struct error *e = store_reader_begin(p->read.conn);
    if (e)
        region_read_end(&p->read);
    return e;
}

static struct error *pin_there(struct run *r, const struct plan_scan *s, const char *server,
                               struct pin *p)
{
    char text[80];
    TRY(exec__peer_get(r->s, server, s->region, r->deadline, &p->conn));
    snprintf(text, sizeof(text), "READ %llu %llu", (unsigned long long)s->region,
             (unsigned long long)s->schema_version);
    struct error *e = exec__peer_run(r->s, p->conn, text, NULL, NULL, NULL, NULL, NULL);
    if (e)
        exec__peer_put(p->conn);
    return e;
}

static struct error *pin_one(struct run *r, const struct plan_scan *s)
{
    struct pin p = {.region = s->region};
    struct place at = {.here = true};
    if (!r->here)
        TRY(exec__place(r->e, s->region, &at));
    TRY(at.here ? pin_here(r, s, &p) : pin_there(r, s, at.server, &p));
    r->pins[r->n_pins++] = p;
    return NULL;
}

struct error *exec__pin(struct run *r, const struct plan_scan *scans, int n)
{
    if (r->s->snapshots)
        return NULL;
    for (int i = 0; i < n && r->n_pins < RUN_MAX_PINS; i++) {
        bool again = false;
        for (int k = i + 1; k < n; k++)
            again = again || scans[k].region == scans[i].region;
        if (again && scans[i].region && scans[i].region != CATALOG_TEMP_REGION &&
            !pin_of(r, scans[i].region) && !exec__held(r->s, scans[i].region))
            TRY(pin_one(r, &scans[i]));
    }
    return NULL;
}

struct error *exec__unpin(struct run *r, struct error *e)
{
    while (r->n_pins > 0) {
        struct pin *p = &r->pins[--r->n_pins];
        if (!p->conn) {
            e = checked(&p->read, e);
            region_read_end(&p->read);
            continue;
        }
        struct error *end = exec__peer_run(r->s, p->conn, "ENDREAD", NULL, NULL, NULL, NULL, NULL);
        exec__peer_put(p->conn);
        if (!e)
            e = end;
        else
            error_free(end);
    }
    return e;
}

/* ---- no region ------------------------------------------------------------------------------ */

struct error *exec__run_constant(struct run *r)
{
    struct scratch *c;
    sqlite3_stmt *stmt;
    TRY(exec__scratch_get(r->e, &c));
    struct error *e = exec__scratch_prepare(c, r->plan->sql, r->plan->sql_len, &stmt);
    if (!e) {
        e = exec__bind(c->db, stmt, r->params, r->n_params);
        if (!e)
            e = exec__step_all(r->s, c->db, stmt, emit_row, r);
        sqlite3_reset(stmt);
        sqlite3_clear_bindings(stmt);
    }
    exec__scratch_put(r->e, c);
    return e;
}
