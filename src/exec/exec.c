/*
 * The server's executor, its sessions, and what runs a plan again until it succeeds.
 *
 *   exec_run
 *     for each attempt:  exec__attempt   by the kind of plan
 *       CONSTANT  a private SQLite connection
 *       REGION    region.c: here (region_read, region_write, the held transaction), or RUN at the
 * primary's server BATCH     batch.c, falling back to gather.c when memory does not suffice GATHER
 * gather.c INSERT    copy.c DDL       the master, here or there a retryable error: route.c waits
 * for news, and round again under the same request id
 */
#include "exec/exec_int.h"

const struct exec_settings exec_defaults = {
    .retry_ms = 30000,
    .memory = 64 << 20,
    .batch_min_rows = 20000,
    .max_peer_connections = 64,
};

/* ---- life ----------------------------------------------------------------------------------- */

struct error *exec_open(const struct exec_options *o, struct exec **ret)
{
    struct exec *e = NEW(struct exec);
    struct error *err = catalog_next_id(o->catalog, &e->gateway);
    if (err) {
        mem_free(e);
        return err;
    }
    e->name = mem_strdup(o->name);
    e->catalog = o->catalog;
    e->regions = o->regions;
    e->ddl = o->ddl;
    e->settings = o->settings;
    e->started = types_now();
    types_set_names(&exec__type_names);
    types_set_system(exec__system_functions);
    pthread_mutex_init(&e->lock, NULL);
    e->peers = exec__peers_new(e);
    exec__sequences_open(e);
    e->advisory = exec__advisory_new();
    e->watch = exec__watch_new(e);
    if (o->temp_dir && !sqlite3_temp_directory)
        sqlite3_temp_directory = sqlite3_mprintf("%s", o->temp_dir);
    exec__watch_start(e->watch);
    *ret = e;
    return NULL;
}

void exec_close(struct exec *e)
{
    if (!e)
        return;
    exec__watch_free(e->watch);
    exec__sequences_close(e);
    exec__advisory_free(e->advisory);
    exec__peers_free(e->peers);
    exec__objects_forget(e);
    map_done(&e->held_snapshots);
    while (e->scratch) {
        struct scratch *c = e->scratch;
        e->scratch = c->next;
        exec__scratch_free(c);
    }
    void *p;
    for (size_t i = 0; map_next(&e->plans, &i, &p);)
        plan_unref(p);
    map_done(&e->plans);
    for (size_t i = 0; map_next(&e->counts, &i, &p);)
        mem_free(p);
    map_done(&e->counts);
    pthread_mutex_destroy(&e->lock);
    mem_free(e->free_slots);
    mem_free(e->left);
    mem_free(e->name);
    mem_free(e);
}

/* ---- sessions ------------------------------------------------------------------------------- */

static uint32_t take_slot(struct exec *e)
{
    pthread_mutex_lock(&e->lock);
    uint32_t slot = e->n_free > 0 ? e->free_slots[--e->n_free] : e->n_slots++;
    pthread_mutex_unlock(&e->lock);
    return slot;
}

static void give_slot(struct exec *e, uint32_t slot)
{
    pthread_mutex_lock(&e->lock);
    if (e->n_free == e->cap_free) {
        e->cap_free = MAX(16u, e->cap_free * 2);
        e->free_slots = mem_realloc(e->free_slots, e->cap_free * sizeof(*e->free_slots));
    }
    e->free_slots[e->n_free++] = slot;
    pthread_mutex_unlock(&e->lock);
}

struct exec_session *exec_session_new(struct exec *e, const struct exec_session_options *o)
{
    struct exec_session *s = NEW(struct exec_session);
    s->exec = e;
    s->user = mem_strdup(o->user ? o->user : "minisql");
    s->database = mem_strdup(o->database ? o->database : "minisql");
    s->pid = o->pid;
    if (o->io)
        s->io = *o->io;
    s->internal = o->internal;
    s->memory = e->settings.memory;
    s->slot = take_slot(e);
    s->host = (struct types_host){.ctx = s, .sequence = exec__sequence};
    return s;
}

void exec_session_free(struct exec_session *s)
{
    if (!s)
        return;
    if (exec__attended() == s)
        exec_attend(NULL);
    exec_rollback(s);
    exec__advisory_done(s);
    error_free(exec__end_snapshots(s));
    region_look_close(s->look);
    give_slot(s->exec, s->slot);
    mem_free(s->held);
    mem_free(s->savepoints);
    mem_free(s->said_before);
    mem_free(s->marks);
    exec__temp_close(s);
    exec__made_forget(s);
    mem_free(s->made);
    mem_free(s->drawn);
    mem_free(s->user);
    mem_free(s->database);
    mem_free(s);
}

void exec_cancel(struct exec_session *s)
{
    atomic_store_explicit(&s->cancel, true, memory_order_relaxed);
}

void exec_set_unchecked(struct exec_session *s, bool unchecked)
{
    s->unchecked = unchecked;
}

void exec_set_lock_timeout(struct exec_session *s, uint64_t ms)
{
    s->lock_timeout_ms = ms;
}

void exec_waits_for(const struct exec_session *s, const char **ret_type, const char **ret_event)
{
    const struct exec__wait *w = atomic_load(&s->waits);
    *ret_type = w ? w->type : NULL;
    *ret_event = w ? w->event : NULL;
}

uint32_t exec_pid_base(const struct exec *e)
{
    enum { SERVERS = 1 << 10, SESSION_BITS = 20 };
    return (uint32_t)(e->gateway % SERVERS) << SESSION_BITS;
}

void exec__warn(struct exec_session *s, const char *format, ...)
{
    va_list ap;
    char text[200];
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (s->io.warn)
        s->io.warn(s->io.ctx, "01000", text);
}

void exec_set_memory(struct exec_session *s, size_t bytes)
{
    s->memory = bytes ? bytes : s->exec->settings.memory;
}

/* Numbers grow over all slots of this process, so that a slot's next user goes on above the last
 * one's. */
struct store_request exec__next_request(struct exec_session *s)
{
    return (struct store_request){.gateway = s->exec->gateway,
                                  .slot = s->slot,
                                  .seq = atomic_fetch_add(&s->exec->seq, 1) + 1};
}

/* ---- preparing ------------------------------------------------------------------------------ */

struct row_count {
    int64_t rows;
    uint64_t at; /* when it was asked */
};

static bool cached_count(struct exec *e, const struct table *t, int64_t *ret)
{
    pthread_mutex_lock(&e->lock);
    const struct row_count *c = map_get_u64(&e->counts, t->id);
    bool found = c && clock_ms() - c->at < EXEC_COUNT_AGE_MS;
    if (found)
        *ret = c->rows;
    pthread_mutex_unlock(&e->lock);
    return found;
}

static void cache_count(struct exec *e, const struct table *t, int64_t rows)
{
    struct row_count *c = NEW(struct row_count);
    *c = (struct row_count){.rows = rows, .at = clock_ms()};
    pthread_mutex_lock(&e->lock);
    mem_free(map_put_u64(&e->counts, t->id, c));
    pthread_mutex_unlock(&e->lock);
}

static struct error *ask_peer(struct exec_session *s, const struct table *t, const char *server,
                              char tag[64])
{
    struct peer_conn *c;
    s->patience = clock_ms() + 300;
    TRY(exec__peer_get(s, server, t->region, s->patience, &c));
    char *text = mem_printf("COUNT %llu\n%s", (unsigned long long)t->region, table_file_name(t));
    struct error *e = exec__peer_run(s, c, text, NULL, NULL, NULL, NULL, tag);
    mem_free(text);
    exec__peer_put(c);
    return e;
}

void exec__ask_size(struct exec *e, const struct table *t, int64_t *ret_rows, int64_t *ret_bytes)
{
    long long rows = -1, bytes = -1;
    if (table_is_temporary(t)) {
        *ret_rows = *ret_bytes = 0;
        return;
    }
    char tag[64] = "";
    struct place at;
    struct error *err = exec__place(e, t->region, &at);
    if (!err && at.here) {
        struct region_status status = {.bytes = -1};
        region_get_status(e->regions, t->region, &status);
        rows = region_row_count(e->regions, t->region, table_file_name(t));
        bytes = status.bytes;
    } else if (!err) {
        const struct exec_session_options o = {.internal = true};
        struct exec_session *s = exec_session_new(e, &o);
        err = ask_peer(s, t, at.server, tag);
        exec_session_free(s);
        if (!err && sscanf(tag, "COUNT %lld %lld", &rows, &bytes) != 2)
            rows = bytes = -1;
    }
    error_free(err);
    *ret_rows = rows;
    *ret_bytes = bytes;
}

/* Rows of a table, about: from here, or as its primary said a few seconds ago. */
int64_t exec__row_count(void *ctx, const struct table *t)
{
    struct exec *e = ctx;
    int64_t rows = -1;
    if (e->regions)
        rows = region_row_count(e->regions, t->region, table_file_name(t));
    if (rows >= 0 || cached_count(e, t, &rows))
        return rows;
    int64_t bytes;
    exec__ask_size(e, t, &rows, &bytes);
    cache_count(e, t, rows);
    return rows;
}

struct error *exec_prepare(struct exec *e, const struct query *q, const char *text, size_t text_len,
                           const struct catalog_view *view, struct arena *arena, struct plan **ret)
{
    struct plan_context pc = {
        .view = view,
        .ctx = e,
        .row_count = exec__row_count,
        .batch_min_rows = e->settings.batch_min_rows,
    };
    return plan_new(&pc, q, text, text_len, arena, ret);
}

/* ---- running -------------------------------------------------------------------------------- */

struct error *exec__emit(struct run *r, const struct value *values, int n)
{
    r->rows++;
    if (!r->sink)
        return NULL;
    r->given = true;
    struct error *e = r->sink->row(r->sink->ctx, values, n);
    r->sink_failed = e != NULL;
    return e;
}

static struct error *emit_row(void *ctx, const struct value *values, int n)
{
    return exec__emit(ctx, values, n);
}

static struct error *master_lost(struct error *e, const char *tag)
{
    error_free(e);
    return error_hint(error_new("08007", "the master was lost while it ran %s", tag),
                      "Look whether it took effect, and run it again if not.");
}

static struct error *run_at_master(struct run *r)
{
    struct exec *e = r->e;
    if (e->ddl.run && catalog_is_master(e->catalog))
        return e->ddl.run(e->ddl.ctx, r->plan->query, r->plan->text);
    const struct catalog_view *v = catalog_view(e->catalog);
    _cleanup_(mem_freep) char *master = v->master ? mem_strdup(v->master) : NULL;
    catalog_unref(v);
    if (!master || strcmp(master, e->name) == 0)
        return exec__no_master();
    const char *names = r->plan->query->names;
    _cleanup_(mem_freep) char *text =
        mem_printf("MASTER%s%s\n%s", names ? " " : "", names ? names : "", r->plan->text);
    struct peer_conn *c;
    TRY(exec__peer_get(r->s, master, 0, r->deadline, &c));
    struct error *err = exec__peer_run(r->s, c, text, NULL, NULL, NULL, NULL, NULL);
    exec__peer_put(c);
    if (error_is(err, E_CONNECTION))
        return master_lost(err, r->plan->query->tag);
    return err ? err : catalog_refresh(e->catalog, 5000);
}

/* A region whose file can't have a table would stand still: SQLite may find an expression nested
 * too deeply that the analyser lets pass. */
static struct error *try_table(struct run *r)
{
    const struct query *q = r->plan->query;
    struct scratch *c;
    if (q->kind != QUERY_CREATE_TABLE || q->create_table.exists)
        return NULL;
    TRY(exec__scratch_get(r->e, &c));
    _cleanup_(mem_freep) char *sql =
        mem_printf("SAVEPOINT \"minisql try\";%s;", q->create_table.table->ddl);
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    struct error *e = rc == SQLITE_OK ? NULL : types_sqlite_error(c->db, rc);
    sqlite3_exec(c->db, "ROLLBACK TO \"minisql try\"; RELEASE \"minisql try\"", NULL, NULL, NULL);
    exec__scratch_put(r->e, c);
    return e;
}

static struct error *run_ddl(struct run *r)
{
    bool temporary;
    TRY(exec__temp_concerns(r->plan->query, &temporary));
    if (temporary)
        return exec__temp_ddl(r);
    if (r->s->in_transaction)
        return exec__run_draft(r);
    const struct query *q = r->plan->query;
    /* The master waits for a region's writer as long as it takes; a transaction, as it was told. */
    bool waits = q->kind == QUERY_CREATE_INDEX && r->s->lock_timeout_ms;
    if (q->kind == QUERY_ALTER_TABLE || q->n_also || waits ||
        (q->kind == QUERY_OBJECTS && (q->objects.n_checks || q->objects.n_elements)))
        return exec__run_draft_alone(r);
    TRY(try_table(r));
    TRY(run_at_master(r));
    if (q->kind == QUERY_OBJECTS)
        exec__show_everywhere(r->e);
    return NULL;
}

static struct error *run_batch(struct run *r)
{
    struct place at = {.here = true};
    const struct held *held = exec__held(r->s, r->plan->region);
    bool snapshots = r->s->snapshots && !held;
    if (r->plan->region && !snapshots) {
        if (held && held->kind == HELD_REMOTE)
            return exec__run_region(r);
        TRY(exec__place(r->e, r->plan->region, &at));
    }
    if (!at.here)
        return exec__run_region(r);
    if (snapshots) /* its scans may run on threads of their own; one state has one reader */
        return exec__run_gather(r, r->plan->gather, emit_row, r);
    struct error *e = exec__run_batch(r, emit_row, r);
    if (!error_is(e, E_SPILL))
        return e;
    error_free(e);
    return exec__run_gather(r, r->plan->gather, emit_row, r);
}

/* Which key is not unique, where CREATE UNIQUE INDEX failed on that. */
static struct error *tell_duplicates(struct run *r, struct error *e)
{
    const struct query *q = r->plan->query;
    if (!error_is(e, E_UNIQUE) || q->kind != QUERY_CREATE_INDEX || !q->create_index.duplicates)
        return e;
    struct error *found = exec_check_rows(r->s, q, q->create_index.duplicates);
    bool better = error_is(found, E_UNIQUE);
    error_free(better ? e : found);
    return better ? found : e;
}

static struct error *attempt_kind(struct run *r)
{
    switch (r->plan->kind) {
    case PLAN_CONSTANT:
        return exec__run_constant(r);
    case PLAN_REGION:
        return exec__run_region(r);
    case PLAN_BATCH:
        return run_batch(r);
    case PLAN_GATHER:
        return exec__run_gather(r, r->plan->gather, emit_row, r);
    case PLAN_INSERT:
        return exec__run_insert(r);
    case PLAN_TRUNCATE:
        return exec__run_truncate(r);
    case PLAN_DDL:
        return tell_duplicates(r, run_ddl(r));
    }
    return error_new(E_INTERNAL, "unknown kind of plan");
}

struct error *exec__attempt(struct run *r)
{
    struct run *outer = r->s->run;
    r->s->run = r;
    struct error *e = exec__isolate(r);
    if (!e)
        e = attempt_kind(r);
    r->s->run = outer;
    exec__objects_put(r->e, r->objects);
    r->objects = NULL;
    if (r->view)
        catalog_unref(r->view);
    r->view = NULL;
    return e;
}

/* A retryable error after rows have gone to the sink: take them back, or give up. */
static struct error *take_back(struct run *r, struct error *e)
{
    r->rows = 0;
    if (!r->given)
        return NULL;
    if (r->sink->reset && r->sink->reset(r->sink->ctx)) {
        r->given = false;
        return NULL;
    }
    struct error *told =
        error_hint(error_new(E_SERIALIZATION, "the result was interrupted by the loss of a server"),
                   "Run the statement again.");
    return error_detail(told, "%s", e->message);
}

static struct error *attempts(struct run *r)
{
    unsigned tries = 0;
    for (;;) {
        if (atomic_load(&r->s->cancel))
            return exec__canceled();
        if (REPL_MUTATION(new_request_each_try) && tries && r->plan->writes)
            r->request = exec__next_request(r->s);
        struct error *e = r->plan->explain ? exec__explain(r) : exec__attempt(r);
        if (!e || r->here || r->sink_failed || r->s->lost || !exec__is_retryable(e))
            return e;
        if (atomic_load(&r->s->cancel)) {
            error_free(e);
            return exec__canceled();
        }
        struct error *stop = take_back(r, e);
        if (stop) {
            error_free(e);
            return stop;
        }
        e = exec__wait_retry(r->s, r->plan->region, r->deadline, &tries, e);
        if (e)
            return e;
    }
}

static struct error *call(const struct expr *e, const struct value *params, struct arena *a,
                          struct value *ret)
{
    const struct func *f = e->call.func;
    struct value *args = ARENA_ARRAY(a, struct value, e->n_args + 1);
    *ret = (struct value){.kind = VALUE_NULL};
    for (int i = 0; i < e->n_args; i++) {
        const struct expr *x = e->args[i];
        args[i] = x->kind == EXPR_PARAM ? params[x->param - 1] : x->value;
        if (f->strict && args[i].kind == VALUE_NULL)
            return NULL;
    }
    return f->call(args, e->n_args, a, ret);
}

struct error *exec__hidden(const struct exec_session *s, const struct query *q, int i,
                           const struct value *params, struct arena *a, struct value *ret)
{
    switch (q->hidden[i].kind) {
    case HIDDEN_NOW:
        *ret = (struct value){.kind = VALUE_INT, .i = s->started};
        break;
    case HIDDEN_USER:
        *ret = (struct value){.kind = VALUE_TEXT, .s = {s->user, strlen(s->user)}};
        break;
    case HIDDEN_PID:
        *ret = (struct value){.kind = VALUE_INT, .i = s->pid};
        break;
    case HIDDEN_CALL:
        return call(q->hidden[i].call, params, a, ret);
    }
    return NULL;
}

/* The client's parameters, and after them what only the session knows. */
struct error *exec__bind_hidden(struct run *r, const struct value *params)
{
    const struct query *q = r->plan->query;
    r->params = params;
    r->n_params = q->n_params + q->n_hidden;
    if (!q->n_hidden)
        return NULL;
    struct value *all = ARENA_ARRAY(&r->arena, struct value, r->n_params);
    r->params = all;
    if (q->n_params > 0)
        memcpy(all, params, sizeof(*params) * (size_t)q->n_params);
    for (int i = 0; i < q->n_hidden; i++)
        TRY(exec__hidden(r->s, q, i, params, &r->arena, &all[q->n_params + i]));
    return NULL;
}

/* 57014 and 40001 promise that nothing happened; after an attempt without an answer nobody knows.
 */
static struct error *tell_doubt(struct run *r, struct error *e)
{
    if (!r->doubt || (!error_is(e, E_CANCELED) && !error_is(e, E_SERIALIZATION)))
        return e;
    struct error *told =
        error_hint(error_new("08007", "it is not known whether the statement took effect"),
                   "Look at the data before running it again.");
    error_detail(told, "Its server was lost while it ran, and then: %s.", e->message);
    error_free(e);
    return told;
}

struct error *exec__run(struct run *r)
{
    struct style style = r->plan->query->style;
    style.now = exec_started(r->s);
    const struct style *before = style_use(&style);
    struct error *e = tell_doubt(r, attempts(r));
    style_use(before);
    if (error_is(e, E_STALE_SCHEMA) && !r->here)
        exec__catch_up(r->e);
    return e;
}

struct error *exec_run(struct exec_session *s, struct plan *plan, const struct value *params,
                       const struct exec_sink *sink, struct exec_result *ret)
{
    struct run r = {.s = s, .e = s->exec, .plan = plan, .sink = sink};
    if (plan->query->failure)
        return sql_failure(plan->query);
    atomic_store_explicit(&s->cancel, false, memory_order_relaxed);
    if (s->lost)
        return error_hint(error_new(E_SERIALIZATION, "the transaction was lost with its server"),
                          "Roll back, and run the transaction again.");
    if (!s->in_transaction && plan->query->n_hidden > 0)
        s->started = types_now();
    struct error *e = exec__bind_hidden(&r, params);
    if (e) {
        arena_done(&r.arena);
        return e;
    }
    exec__stage_params(&r, r.n_params);
    r.deadline = clock_ms() + s->exec->settings.retry_ms;
    if (plan->writes && !ret->request.gateway)
        ret->request = exec__next_request(s);
    r.request = ret->request;
    r.doubt = ret->doubt;
    s->nowait = plan->query->nowait;
    e = exec__enter(s);
    if (!e) {
        e = exec__run(&r);
        exec__leave(s);
    }
    s->nowait = NULL;
    if (!s->in_transaction)
        exec__advisory_end(s, 0);
    exec__stage_done(&r);
    if (!e && plan->query->kind == QUERY_TRUNCATE && plan->query->truncate.restart_identity)
        e = exec__restart_sequences(s, plan->query);
    arena_done(&r.arena);
    ret->doubt = r.doubt;
    if (!e)
        ret->rows = r.rows;
    return e;
}
