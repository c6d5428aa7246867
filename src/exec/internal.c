/*
 * What other servers ask of this one: the receiving end of the statements in exec.h.
 *
 * Everything runs here or fails with MS001: it is the asking server that looks again and goes
 * elsewhere. Plans of RUN are cached for the whole server, by parameter types and text.
 */
#include "exec/exec_int.h"

enum { MESSAGE_BYTES = 64 * 1024, CHANGE_MS = 1500 };

struct call {
    struct exec_session *s;
    struct exec *e;
    const char *head; /* the first line, 0-terminated copy, after its first word */
    const char *body; /* the rest; 0-terminated */
    size_t body_len;
    const char *args;
    size_t args_len;
    const struct exec_wire *wire;
    char *tag;
    struct arena arena;
};

/* ---- rows out ------------------------------------------------------------------------------- */

struct outgoing {
    const struct exec_wire *wire;
    struct buf buf;
    bool open;
};

static struct error *send_out(struct outgoing *o)
{
    if (!o->open)
        TRY(o->wire->copy_out(o->wire->ctx));
    o->open = true;
    struct error *e = o->wire->data(o->wire->ctx, o->buf.data, o->buf.len);
    buf_clear(&o->buf);
    return e;
}

static struct error *out_row(void *ctx, const struct value *values, int n)
{
    struct outgoing *o = ctx;
    exec_rows_put(&o->buf, values, n);
    return o->buf.len >= MESSAGE_BYTES ? send_out(o) : NULL;
}

static struct error *out_end(struct outgoing *o, const struct exec_session *s, int64_t count)
{
    exec__end_put(&o->buf, s, count);
    return send_out(o);
}

/* ---- parsing -------------------------------------------------------------------------------- */

static struct error *malformed(void)
{
    return error_new(E_PROTOCOL, "malformed internal statement");
}

/* A decimal number off the head. */
static bool take_number(const char **p, uint64_t *ret)
{
    if (**p < '0' || **p > '9')
        return false;
    char *end;
    *ret = strtoull(*p, &end, 10);
    if (*end != ' ' && *end != '\0' && *end != ',')
        return false;
    *p = *end == ' ' ? end + 1 : end;
    return true;
}

static bool take_numbers(struct call *c, int n, uint64_t *ret)
{
    for (int i = 0; i < n; i++)
        if (!take_number(&c->head, &ret[i]))
            return false;
    return true;
}

/* "23,25", or "-"; and perhaps a blank after it */
static bool take_types(struct call *c, uint32_t **ret, int *ret_n)
{
    *ret_n = 0;
    *ret = ARENA_ARRAY(&c->arena, uint32_t, strlen(c->head) / 2 + 1);
    if (c->head[0] == '-' && (c->head[1] == '\0' || c->head[1] == ' ')) {
        c->head += 1 + (c->head[1] == ' ');
        return true;
    }
    for (;;) {
        uint64_t oid;
        if (!take_number(&c->head, &oid) || oid > UINT32_MAX)
            return false;
        (*ret)[(*ret_n)++] = (uint32_t)oid;
        if (*c->head != ',')
            return true;
        c->head++;
    }
}

/* ---- RUN ------------------------------------------------------------------------------------ */

static void forget_plans(struct exec *e)
{
    void *p;
    for (size_t i = 0; map_next(&e->plans, &i, &p);)
        plan_unref(p);
    map_done(&e->plans);
    e->plans = (struct map){0};
}

static struct plan *cached_plan(struct exec *e, const char *key, size_t len)
{
    pthread_mutex_lock(&e->lock);
    struct plan *p = map_get(&e->plans, key, len);
    if (p)
        plan_ref(p);
    pthread_mutex_unlock(&e->lock);
    if (p && (!plan_is_fresh(p) || !catalog_schema_is_current(e->catalog, p->view))) {
        plan_unref(p);
        return NULL;
    }
    return p;
}

static void cache_plan(struct exec *e, const char *key, size_t len, struct plan *p)
{
    pthread_mutex_lock(&e->lock);
    if (e->plans.len >= EXEC_PLANS_MAX)
        forget_plans(e);
    plan_unref(map_put(&e->plans, key, len, plan_ref(p)));
    pthread_mutex_unlock(&e->lock);
}

/* The head that is left is the names that the statement is to be analysed under. */
static struct error *make_plan(struct call *c, const uint32_t *types, int n_types,
                               struct plan **ret)
{
    struct arena arena = {0};
    struct sql_context ctx = {
        .names = *c->head ? c->head : NULL, .param_types = types, .n_params = n_types};
    TRY(catalog_view_database(exec_catalog(c->s), sql_names_database(ctx.names, &c->arena),
                              &ctx.view));
    ctx.refreshes = true; /* the server that sent it knows what it may */
    sql_names_view(ctx.names, &ctx.view);
    ctx.extra = exec_system_tables(&ctx.n_extra);
    struct query *q;
    struct error *e = sql_analyse_text(c->body, &ctx, &arena, &q);
    if (e) {
        arena_done(&arena);
        catalog_unref(ctx.view);
        return e;
    }
    return exec_prepare(c->e, q, c->body, c->body_len, ctx.view, &arena, ret);
}

/* A server whose catalog lags behind the sender's catches up first. */
static void catch_up(struct exec *e, uint64_t region, uint64_t schema_version, uint64_t schema)
{
    const struct catalog_view *v = catalog_view(e->catalog);
    const struct region *r = catalog_region(v, region);
    bool behind = !r || r->schema_version < schema_version || v->revision < schema;
    catalog_unref(v);
    if (behind)
        error_free(catalog_refresh(e->catalog, 1000));
}

static struct error *plan_of(struct call *c, const char *key, size_t key_len, struct plan **ret)
{
    bool shared = !exec_has_draft(c->s);
    *ret = shared ? cached_plan(c->e, key, key_len) : NULL;
    if (*ret)
        return NULL;
    uint32_t *types;
    int n_types;
    if (!take_types(c, &types, &n_types))
        return malformed();
    TRY(make_plan(c, types, n_types, ret));
    if (shared)
        cache_plan(c->e, key, key_len, *ret);
    return NULL;
}

static struct error *run_plan(struct call *c, struct run *r, bool has_request, struct outgoing *o)
{
    if (r->n_params != exec__stage_sent(r))
        return malformed();
    exec__stage_params(r, r->n_params);
    TRY(exec__stage_check(r));
    if (r->plan->writes && !has_request && !c->s->n_held)
        return malformed();
    const struct exec_sink sink = {.ctx = o, .row = out_row};
    r->sink = &sink;
    TRY(exec__run(r));
    return out_end(o, c->s, r->rows);
}

static struct error *do_run(struct call *c)
{
    uint64_t n[5];
    const char *key = c->head;
    if (!take_numbers(c, 5, n) || !c->args)
        return malformed();
    c->s->lock_timeout_ms = n[3];
    c->s->unchecked = n[4];
    key = arena_printf(&c->arena, "%s\n%.*s", c->head, (int)c->body_len, c->body);
    struct run r = {.s = c->s, .e = c->e, .here = true, .deadline = clock_ms()};
    bool has_request;
    TRY(exec__args_get(c->args, c->args_len, &c->arena, c->s, &has_request, &r.request, &r.params,
                       &r.n_params));
    catch_up(c->e, n[0], n[1], n[2]);
    TRY(plan_of(c, key, strlen(key), &r.plan));
    struct error *e = NULL;
    struct outgoing o = {.wire = c->wire};
    /* Both sides have to mean the same table. */
    if (r.plan->region != n[0] || r.plan->schema_version != n[1])
        e = error_new(E_STALE_SCHEMA, "the statement was planned on another schema");
    else
        e = run_plan(c, &r, has_request, &o);
    buf_done(&o.buf);
    exec__stage_done(&r);
    arena_done(&r.arena);
    plan_unref(r.plan);
    snprintf(c->tag, 64, "RUN");
    return e;
}

/* "Europe/Berlin", and perhaps a blank and style_word(); or nothing */
static bool take_style(const struct call *c, struct style *ret)
{
    *ret = (struct style){0};
    const char *blank = strchr(c->head, ' ');
    size_t n = blank ? (size_t)(blank - c->head) : strlen(c->head);
    if (blank)
        style_read_word(ret, blank + 1);
    if (!n || strncmp(c->head, "UTC", MAX(n, 3)) == 0)
        return true;
    _cleanup_(arena_done) struct arena a = {0};
    ret->zone = zone_for_setting(arena_strndup(&a, c->head, n));
    return ret->zone != NULL;
}

static struct error *do_frag(struct call *c)
{
    uint64_t n[2];
    if (!take_numbers(c, 2, n) || !c->args)
        return malformed();
    struct run r = {.s = c->s, .e = c->e, .here = true};
    bool has_request;
    TRY(exec__args_get(c->args, c->args_len, &c->arena, c->s, &has_request, &r.request, &r.params,
                       &r.n_params));
    struct style style;
    if (!take_style(c, &style))
        return malformed();
    struct outgoing o = {.wire = c->wire};
    const struct style *before = style_use(&style);
    struct error *e = exec__read(&r, n[0], n[1], c->body, c->body_len, NULL, out_row, &o);
    style_use(before);
    if (!e)
        e = out_end(&o, c->s, 0);
    buf_done(&o.buf);
    snprintf(c->tag, 64, "FRAG");
    return e;
}

static struct error *take_snapshot(struct call *c, bool brief)
{
    uint64_t n[2];
    if (!take_numbers(c, 2, n) || c->s->in_transaction)
        return malformed();
    return exec__take_snapshot(c->s, true, brief, n[0], n[1], clock_ms());
}

static struct error *do_read(struct call *c)
{
    return take_snapshot(c, true);
}

static struct error *do_hold(struct call *c)
{
    const char *head = c->head;
    uint64_t region = 0;
    TRY(take_snapshot(c, false));
    take_number(&head, &region);
    snprintf(c->tag, 64, "HOLD %llu", (unsigned long long)exec__snapshot_lsn(c->s, region));
    return NULL;
}

static struct error *do_endread(struct call *c)
{
    if (!c->s->n_snapshots)
        return malformed();
    return exec__end_snapshots(c->s);
}

/* ---- transactions --------------------------------------------------------------------------- */

static struct store_request request_of(const uint64_t *n)
{
    return (struct store_request){.gateway = n[0], .slot = (uint32_t)n[1], .seq = n[2]};
}

static struct error *do_begin(struct call *c)
{
    uint64_t n[7];
    if (!take_numbers(c, 7, n) || c->s->in_transaction)
        return malformed();
    TRY(exec_begin(c->s));
    c->s->owner.request = request_of(n + 2);
    c->s->lock_timeout_ms = n[5];
    c->s->nowait = n[6] ? "" : NULL;
    snprintf(c->s->owner.server, sizeof(c->s->owner.server), "%s", c->head);
    struct error *e = exec__hold(c->s, n[0], n[1], clock_ms());
    c->s->nowait = NULL;
    if (e)
        exec_rollback(c->s);
    else
        snprintf(c->tag, 64, "BEGIN %llu", (unsigned long long)c->s->held[0].lsn);
    return e;
}

static struct error *do_constraints(struct call *c)
{
    if (!c->s->n_held)
        return malformed();
    c->s->n_said = 0;
    for (const char *p = c->head; *p;) {
        char *end;
        unsigned long long id = strtoull(p, &end, 10);
        if (end == p || (*end != 'd' && *end != 'i'))
            return malformed();
        exec__say_constraint(c->s, id, *end == 'd');
        p = end + 1 + (end[1] == ' ');
    }
    return exec__say_constraints(c->s, NULL);
}

static struct store *held_store(const struct call *c)
{
    return c->s->n_held ? region_txn_store(c->s->held[0].txn) : NULL;
}

static struct error *do_mark(struct call *c)
{
    struct store *s = held_store(c);
    if (!s)
        return malformed();
    TRY(store_mark(s));
    c->s->n_savepoints++;
    return NULL;
}

static struct error *do_unmark(struct call *c)
{
    struct store *s = held_store(c);
    if (!s || c->s->n_savepoints == 0)
        return malformed();
    c->s->n_savepoints--;
    return store_release_mark(s);
}

static struct error *do_undo(struct call *c)
{
    struct store *s = held_store(c);
    if (!s || c->s->n_savepoints == 0)
        return malformed();
    c->s->n_savepoints--;
    return store_rollback_to(s); /* and the draft as of then comes as SCHEMA */
}

static struct error *do_commit(struct call *c)
{
    uint64_t n[3], participants[EXEC_MAX_HELD];
    int n_participants = 0;
    if (!held_store(c) || !take_numbers(c, 3, n))
        return malformed();
    while (*c->head)
        if (n_participants == EXEC_MAX_HELD ||
            !take_number(&c->head, &participants[n_participants++]))
            return malformed();
    const struct store_request q = request_of(n);
    struct error *e = exec__commit_local(c->s, &q, participants, n_participants);
    exec_rollback(c->s);
    return e;
}

static struct error *do_prepare(struct call *c)
{
    uint64_t decider;
    bool any = false;
    if (!held_store(c) || !take_number(&c->head, &decider))
        return malformed();
    struct error *e = exec__prepare_local(c->s, &c->s->held[0], decider, &any);
    c->s->n_held = 0;
    exec_rollback(c->s);
    snprintf(c->tag, 64, "PREPARE %d", any);
    return e;
}

static struct error *do_decide(struct call *c)
{
    uint64_t n[5];
    if (!take_numbers(c, 5, n) || c->s->in_transaction)
        return malformed();
    const struct store_request q = request_of(n + 1);
    return region_decide(c->e->regions, n[0], &q, n[4] != 0);
}

static struct error *do_outcome(struct call *c)
{
    uint64_t n[5];
    enum region_outcome outcome;
    if (!take_numbers(c, 5, n))
        return malformed();
    const struct store_request q = request_of(n + 1);
    TRY(region_outcome(c->e->regions, n[0], &q, n[4] != 0, &outcome));
    snprintf(c->tag, 64, "OUTCOME %d", outcome);
    return NULL;
}

static struct error *do_prepared(struct call *c)
{
    uint64_t region;
    struct region_doubt doubt;
    if (!take_number(&c->head, &region))
        return malformed();
    TRY(region_in_doubt(c->e->regions, region, &doubt));
    snprintf(c->tag, 64, "PREPARED %llu %llu", (unsigned long long)doubt.request.gateway,
             (unsigned long long)doubt.request.seq);
    return NULL;
}

static struct error *do_owner(struct call *c)
{
    uint64_t region;
    struct region_owner owner;
    if (!take_number(&c->head, &region))
        return malformed();
    TRY(region_get_owner(c->e->regions, region, &owner));
    struct outgoing o = {.wire = c->wire};
    const struct value row[] = {
        {.kind = VALUE_INT, .i = (int64_t)owner.request.gateway},
        {.kind = VALUE_INT, .i = (int64_t)owner.request.seq},
        {.kind = VALUE_TEXT, .s = {owner.server, strlen(owner.server)}},
    };
    struct error *e = out_row(&o, row, ARRAY_LEN(row));
    if (!e)
        e = out_end(&o, c->s, 0);
    buf_done(&o.buf);
    return e;
}

static struct error *do_waits(struct call *c)
{
    uint64_t n[2];
    if (!take_numbers(c, 2, n))
        return malformed();
    snprintf(c->tag, 64, "WAITS %llu",
             (unsigned long long)exec__waits_for_region(c->e, n[0], n[1]));
    return NULL;
}

static struct error *do_schema(struct call *c)
{
    uint64_t region;
    return take_number(&c->head, &region) ? exec__take_draft(c->s, region, c->body) : malformed();
}

static struct error *do_rollback(struct call *c)
{
    exec_rollback(c->s);
    return NULL;
}

static struct error *do_applied(struct call *c)
{
    uint64_t n[4];
    bool applied = false;
    uint64_t wait_ms = 0;
    if (!take_numbers(c, 4, n) || (*c->head && !take_number(&c->head, &wait_ms)))
        return malformed();
    const struct store_request q = request_of(n + 1);
    TRY(wait_ms ? region_request_decided(c->e->regions, n[0], &q,
                                         (unsigned)MIN(wait_ms, (uint64_t)60000), &applied)
                : region_request_applied(c->e->regions, n[0], &q, &applied));
    snprintf(c->tag, 64, "APPLIED %d", applied);
    return NULL;
}

/* ---- COPY ----------------------------------------------------------------------------------- */

struct copying {
    struct exec_session *s;
    struct store_conn *conn;
    sqlite3 *db;
    sqlite3_stmt *stmt;
    struct region_txn *txn;
    const struct types_host *host;
    bool progress; /* parts may be logged while it runs */
    int64_t rows;
};

static struct error *copy_row(void *ctx, const struct value *values, int n)
{
    struct copying *k = ctx;
    if (k->s->unchecked)
        TRY(store_leave_keys(k->conn, true));
    TRY(exec__bind(k->db, k->stmt, values, n));
    int rc;
    const struct types_host *before = types_host_set(k->host);
    int told = exec__watch_keys(k->s);
    do
        rc = sqlite3_step(k->stmt);
    while (rc == SQLITE_ROW);
    types_host_set(before);
    struct error *e = rc == SQLITE_DONE ? NULL : types_sqlite_error(k->db, rc);
    exec__watch_keys_end(k->s, told, e != NULL);
    sqlite3_reset(k->stmt);
    error_free(store_leave_keys(k->conn, false));
    TRY(e);
    k->rows += sqlite3_changes64(k->db);
    if (k->progress && k->rows % 1024 == 0)
        return region_txn_progress(k->txn);
    return NULL;
}

static struct error *copy_receive(struct call *c, struct copying *k)
{
    TRY(c->wire->copy_in(c->wire->ctx));
    for (;;) {
        const char *data;
        size_t len;
        bool end = false, last = false;
        int64_t count;
        TRY(c->wire->receive(c->wire->ctx, &data, &len, &end));
        if (end)
            return NULL;
        TRY(exec__stream_get(data, len, NULL, copy_row, k, &count, &last));
        if (atomic_load(&c->s->cancel))
            return exec__canceled();
    }
}

static struct error *do_copy(struct call *c)
{
    uint64_t n[2];
    /* Always inside BEGIN: the sender decides what it commits. */
    if (!take_numbers(c, 2, n) || !held_store(c) || c->s->held[0].region != n[0])
        return malformed();
    c->s->unchecked = n[1];
    struct copying k = {.s = c->s,
                        .txn = c->s->held[0].txn,
                        .host = &c->s->host,
                        .progress = c->s->n_savepoints == 0};
    k.conn = store_writer(region_txn_store(k.txn));
    k.db = store_db(k.conn);
    TRY(store_prepare(k.conn, c->body, c->body_len, &k.stmt));
    struct error *e = copy_receive(c, &k);
    store_release(k.conn, k.stmt);
    if (!e)
        e = exec__statement_ends(c->s, region_txn_store(k.txn), n[0]);
    if (!e && k.progress)
        e = region_txn_progress(k.txn);
    if (e) {
        const struct catalog_view *v = exec_view(c->s);
        e = sql_name_constraint(v, NULL, e);
        catalog_unref(v);
    }
    snprintf(c->tag, 64, "COPY %lld", (long long)k.rows);
    return e;
}

/* What the client's session has drawn from sequences is told, or asked for: COPY carries neither.
 */
static struct error *do_drawn(struct call *c)
{
    bool has_request;
    struct store_request request;
    const struct value *params;
    int n_params;
    struct outgoing o = {.wire = c->wire};
    if (c->args)
        TRY(exec__args_get(c->args, c->args_len, &c->arena, c->s, &has_request, &request, &params,
                           &n_params));
    struct error *e = out_end(&o, c->s, 0);
    buf_done(&o.buf);
    snprintf(c->tag, 64, "DRAWN");
    return e;
}

/* ---- the rest ------------------------------------------------------------------------------- */

static struct error *do_count(struct call *c)
{
    uint64_t region;
    if (!take_numbers(c, 1, &region))
        return malformed();
    struct region_status status = {.bytes = -1};
    region_get_status(c->e->regions, region, &status);
    snprintf(c->tag, 64, "COUNT %lld %lld",
             (long long)region_row_count(c->e->regions, region, c->body), (long long)status.bytes);
    return NULL;
}

static struct error *do_state(struct call *c)
{
    uint64_t region;
    struct region_status status;
    struct outgoing o = {.wire = c->wire};
    struct value row[16];
    struct error *e = NULL;
    if (!take_numbers(c, 1, &region))
        return malformed();
    if (region_get_status(c->e->regions, region, &status))
        e = out_row(&o, row, exec__state_put(&status, row));
    if (!e)
        e = out_end(&o, c->s, 0);
    buf_done(&o.buf);
    return e;
}

static struct error *do_see(struct call *c)
{
    return catalog_refresh(c->e->catalog, 1000);
}

static struct error *do_sequence(struct call *c)
{
    const char *space = strchr(c->head, ' ');
    uint64_t id;
    if (!space)
        return malformed();
    const char *what = arena_strndup(&c->arena, c->head, (size_t)(space - c->head));
    c->head = space + 1;
    return take_number(&c->head, &id) ? exec__sequence_request(c->e, what, id) : malformed();
}

static struct error *do_change(struct call *c)
{
    static const char *const what[] = {
        [REPL_ADD_LEARNER] = "add ", [REPL_REMOVE] = "remove ", [REPL_TRANSFER] = "transfer "};
    uint64_t region;
    if (!take_numbers(c, 1, &region))
        return malformed();
    for (size_t i = 0; i < ARRAY_LEN(what); i++)
        if (strncmp(c->head, what[i], strlen(what[i])) == 0)
            return region_change(c->e->regions, region, (enum repl_change)i,
                                 c->head + strlen(what[i]));
    return malformed();
}

static struct error *do_move(struct call *c)
{
    uint64_t region;
    if (!take_numbers(c, 1, &region))
        return malformed();
    const char *space = strchr(c->head, ' ');
    if (!space)
        return malformed();
    return region_move(c->e->regions, region,
                       arena_strndup(&c->arena, c->head, (size_t)(space - c->head)), space + 1);
}

static struct error *do_ddl(struct call *c)
{
    uint64_t n[2];
    if (!take_numbers(c, 2, n))
        return malformed();
    if (held_store(c))
        return c->s->held[0].region == n[0] ? region_txn_ddl(c->s->held[0].txn, c->body)
                                            : malformed();
    catch_up(c->e, n[0], n[1], 0);
    return region_ddl(c->e->regions, n[0], n[1], c->body);
}

static struct error *do_master(struct call *c)
{
    if (!c->e->ddl.run || !catalog_is_master(c->e->catalog))
        return error_new(E_UNAVAILABLE, "server \"%s\" is not the master", c->e->name);
    struct plan *p;
    TRY(make_plan(c, NULL, 0, &p));
    struct error *e =
        p->kind == PLAN_DDL ? c->e->ddl.run(c->e->ddl.ctx, p->query, p->text) : malformed();
    plan_unref(p);
    return e;
}

static struct error *do_transact(struct call *c)
{
    if (!c->e->ddl.transact || !catalog_is_master(c->e->catalog))
        return error_new(E_UNAVAILABLE, "server \"%s\" is not the master", c->e->name);
    return c->e->ddl.transact(c->e->ddl.ctx, c->head, c->body, c->tag);
}

/* ---- what runs ------------------------------------------------------------------------------ */

static struct error *do_advisory(struct call *c)
{
    return exec__advisory_serve(c->s, c->head, c->tag);
}

static struct error *do_locks(struct call *c)
{
    struct outgoing o = {.wire = c->wire};
    struct error *e = exec__advisory_list(c->s, true, out_row, &o);
    if (!e)
        e = out_end(&o, c->s, 0);
    buf_done(&o.buf);
    return e;
}

static struct error *do_sessions(struct call *c)
{
    struct outgoing o = {.wire = c->wire};
    const struct exec_session_io *io = &c->s->io;
    struct exec_activity *all;
    struct value row[16];
    int n = io->activity ? io->activity(io->ctx, &c->arena, &all) : 0;
    struct error *e = NULL;
    for (int i = 0; i < n && !e; i++)
        e = out_row(&o, row, exec__activity_put(&all[i], row));
    if (!e)
        e = out_end(&o, c->s, 0);
    buf_done(&o.buf);
    return e;
}

static struct error *do_signal(struct call *c)
{
    const struct exec_session_io *io = &c->s->io;
    uint64_t n[2];
    if (!take_numbers(c, 2, n))
        return malformed();
    snprintf(c->tag, 64, "SIGNAL %d", io->signal && io->signal(io->ctx, (int32_t)n[0], n[1] != 0));
    return NULL;
}

static struct error *do_fsck(struct call *c)
{
    return exec__fsck(c->s, c->head, c->body, c->wire, c->tag);
}

static const struct {
    const char *name;
    bool needs_regions;
    struct error *(*run)(struct call *c);
} statements[] = {
    {"RUN", true, do_run},
    {"FRAG", true, do_frag},
    {"COPY", true, do_copy},
    {"DRAWN", true, do_drawn},
    {"BEGIN", true, do_begin},
    {"CONSTRAINTS", true, do_constraints},
    {"MARK", true, do_mark},
    {"UNMARK", true, do_unmark},
    {"UNDO", true, do_undo},
    {"COMMIT", true, do_commit},
    {"ROLLBACK", false, do_rollback},
    {"PREPARE", true, do_prepare},
    {"DECIDE", true, do_decide},
    {"OUTCOME", true, do_outcome},
    {"PREPARED", true, do_prepared},
    {"OWNER", true, do_owner},
    {"WAITS", false, do_waits},
    {"APPLIED", true, do_applied},
    {"COUNT", true, do_count},
    {"CHANGE", true, do_change},
    {"STATE", true, do_state},
    {"MOVE", true, do_move},
    {"READ", true, do_read},
    {"HOLD", true, do_hold},
    {"ENDREAD", true, do_endread},
    {"DDL", true, do_ddl},
    {"MASTER", false, do_master},
    {"FSCK", false, do_fsck},
    {"SCHEMA", true, do_schema},
    {"TRANSACT", false, do_transact},
    {"SEE", false, do_see},
    {"SEQUENCE", false, do_sequence},
    {"ADVISORY", false, do_advisory},
    {"LOCKS", false, do_locks},
    {"SESSIONS", false, do_sessions},
    {"SIGNAL", false, do_signal},
};

static struct error *dispatch(struct call *c, const char *line)
{
    size_t word = strcspn(line, " ");
    c->head = line[word] ? line + word + 1 : line + word;
    for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
        if (strlen(statements[i].name) != word || memcmp(statements[i].name, line, word) != 0)
            continue;
        if (statements[i].needs_regions && !c->e->regions)
            return error_new(E_NOT_PRIMARY, "server \"%s\" holds no regions", c->e->name);
        if (c->s->lost && statements[i].run != do_rollback)
            return exec__lost();
        snprintf(c->tag, 64, "%s", statements[i].name);
        return statements[i].run(c);
    }
    return malformed();
}

struct error *exec_internal(struct exec_session *s, const char *text, size_t text_len,
                            const char *args, size_t args_len, const struct exec_wire *wire,
                            char ret_tag[64])
{
    const char *nl = memchr(text, '\n', text_len);
    size_t line = nl ? (size_t)(nl - text) : text_len;
    struct call c = {
        .s = s, .e = s->exec, .args = args, .args_len = args_len, .wire = wire, .tag = ret_tag};
    atomic_store_explicit(&s->cancel, false, memory_order_relaxed);
    c.body = nl ? arena_strndup(&c.arena, nl + 1, text_len - line - 1) : "";
    c.body_len = strlen(c.body);
    struct error *e = exec__enter(s);
    if (!e) {
        e = dispatch(&c, arena_strndup(&c.arena, text, line));
        exec__leave(s);
    }
    arena_done(&c.arena);
    return e;
}

/* ---- what the master asks ------------------------------------------------------------------- */

static struct error *ask_primary(struct exec_session *s, uint64_t region, const char *text,
                                 char tag[64])
{
    struct exec *e = s->exec;
    uint64_t deadline = s->patience ? s->patience : clock_ms() + e->settings.retry_ms;
    unsigned tries = 0;
    for (;;) {
        struct place at;
        struct peer_conn *c;
        struct error *err = exec__place(e, region, &at);
        if (!err && at.here) {
            err = exec_internal(s, text, strlen(text), NULL, 0, NULL, tag);
        } else if (!err) {
            err = exec__peer_get(s, at.server, region, deadline, &c);
            if (!err) {
                err = exec__peer_run(s, c, text, NULL, NULL, NULL, NULL, tag);
                exec__peer_put(c);
            }
        }
        if (!err || !exec__is_retryable(err))
            return err;
        err = exec__wait_retry(s, region, deadline, &tries, err);
        if (err)
            return err;
    }
}

/* patience_ms 0: as long as it works on it. */
static struct error *ask(struct exec *e, uint64_t region, unsigned patience_ms, char *text,
                         char tag[64])
{
    const struct exec_session_options o = {.internal = true};
    struct exec_session *s = exec_session_new(e, &o);
    s->patience = patience_ms ? clock_ms() + patience_ms : 0;
    struct error *err = ask_primary(s, region, text, tag);
    exec_session_free(s);
    mem_free(text);
    return err;
}

struct error *exec__ask_primary(struct exec *e, uint64_t region, char *text)
{
    char tag[64];
    return ask(e, region, 0, text, tag);
}

struct error *exec_region_ddl(struct exec *e, uint64_t region, const char *sqlite_ddl)
{
    const struct catalog_view *v = catalog_view(e->catalog);
    const struct region *r = catalog_region(v, region);
    unsigned long long version = r ? r->schema_version : 0;
    catalog_unref(v);
    return exec__ask_primary(
        e, region,
        mem_printf("DDL %llu %llu\n%s", (unsigned long long)region, version, sqlite_ddl));
}

struct error *exec_region_applied(struct exec *e, uint64_t region, const struct catalog_request *q,
                                  unsigned wait_ms, bool *ret)
{
    char tag[64] = "";
    TRY(ask(e, region, wait_ms,
            mem_printf("APPLIED %llu %llu %u %llu %u", (unsigned long long)region,
                       (unsigned long long)q->gateway, q->slot, (unsigned long long)q->seq,
                       wait_ms),
            tag));
    *ret = strcmp(tag, "APPLIED 1") == 0;
    return NULL;
}

struct error *exec_region_change(struct exec *e, uint64_t region, enum repl_change what,
                                 const char *server)
{
    static const char *const words[] = {
        [REPL_ADD_LEARNER] = "add", [REPL_REMOVE] = "remove", [REPL_TRANSFER] = "transfer"};
    struct place at;
    char tag[64];
    /* A retry of what has happened already. */
    struct error *err = exec__place(e, region, &at);
    bool done = !err && what == REPL_TRANSFER && strcmp(at.server, server) == 0;
    error_free(err);
    if (done)
        return NULL;
    /* The master has others to ask, and asks again. */
    return ask(e, region, CHANGE_MS,
               mem_printf("CHANGE %llu %s %s", (unsigned long long)region, words[what], server),
               tag);
}
