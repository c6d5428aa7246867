/*
 * A session's transaction: nothing until it writes, then the regions that it writes, each held here
 * or at the server that is its primary.
 *
 *   none --exec_begin--> open --exec__hold--> holding 1, 2, .. (LOCAL | REMOTE) --exec_commit,
 *                                               |                        exec_rollback--> none
 *                                               +--a primary is lost--> lost --exec_rollback-->
 * none
 *
 * Invariant: while a region is held, its store has one mark for each savepoint name here, in the
 * same order (savepoints made before the region was held are marked when it is). A failed statement
 * needs no mark of its own: the transaction is failed then, and only a rollback, whole or to a
 * savepoint, follows.
 *
 * How it ends in several regions at once, is told in span.c; how it does not wait for ever for one
 * that waits for it, in watch.c.
 */
#include "exec/exec_int.h"

bool exec_in_transaction(const struct exec_session *s)
{
    return s->in_transaction;
}

int64_t exec_started(const struct exec_session *s)
{
    return s->in_transaction ? s->started : 0;
}

struct error *exec_begin(struct exec_session *s)
{
    if (s->in_transaction)
        return error_new("25001", "there is already a transaction in progress");
    s->in_transaction = true;
    s->lost = false;
    s->started = types_now();
    return NULL;
}

static void forget_savepoints(struct exec_session *s, int keep)
{
    /* A peer's session counts its marks, which have no names. */
    while (s->savepoints && s->n_savepoints > keep)
        mem_free(s->savepoints[--s->n_savepoints]);
    s->n_savepoints = MIN(s->n_savepoints, keep);
}

static void ended(struct exec_session *s)
{
    exec__temp_rollback(s);
    forget_savepoints(s, 0);
    s->number = 0;
    exec__advisory_end(s, 0);
    exec__draft_end(s);
    error_free(exec__end_snapshots(s));
    exec__forget_constraints(s);
    s->in_transaction = false;
    s->lost = false;
    s->level = ISOLATION_DEFAULT;
    s->read_only = false;
    s->first_region = 0;
    s->owner = (struct region_owner){0};
}

struct error *exec__lost(void)
{
    return error_hint(error_new(E_SERIALIZATION,
                                "the transaction was lost with the server that ran "
                                "it, or when a statement of it was canceled"),
                      "Run the transaction again.");
}

/* ---- holding -------------------------------------------------------------------------------- */

static struct error *simple(struct exec_session *s, const struct held *h, const char *text)
{
    return exec__peer_run(s, h->conn, text, NULL, NULL, NULL, NULL, NULL);
}

static struct error *mark(struct exec_session *s, const struct held *h)
{
    return h->kind == HELD_LOCAL ? store_mark(region_txn_store(h->txn)) : simple(s, h, "MARK");
}

static struct error *unmark(struct exec_session *s, const struct held *h)
{
    return h->kind == HELD_LOCAL ? store_release_mark(region_txn_store(h->txn))
                                 : simple(s, h, "UNMARK");
}

static struct error *undo(struct exec_session *s, const struct held *h)
{
    return h->kind == HELD_LOCAL ? store_rollback_to(region_txn_store(h->txn))
                                 : simple(s, h, "UNDO");
}

static struct error *in_all(struct exec_session *s,
                            struct error *(*what)(struct exec_session *s, const struct held *h))
{
    for (int i = 0; i < s->n_held; i++)
        TRY(what(s, &s->held[i]));
    return NULL;
}

/* In all regions or none. */
static struct error *mark_all(struct exec_session *s)
{
    for (int i = 0; i < s->n_held; i++) {
        struct error *e = mark(s, &s->held[i]);
        while (e && i > 0)
            error_free(unmark(s, &s->held[--i]));
        if (e)
            return e;
    }
    return NULL;
}

struct held *exec__held(const struct exec_session *s, uint64_t region)
{
    for (int i = 0; i < s->n_held; i++)
        if (s->held[i].region == region)
            return &s->held[i];
    return NULL;
}

void exec__drop_one(struct exec_session *s, int i)
{
    const struct held h = s->held[i];
    memmove(&s->held[i], &s->held[i + 1], (size_t)(--s->n_held - i) * sizeof(h));
    if (h.kind == HELD_LOCAL) {
        region_txn_rollback(h.txn);
        return;
    }
    atomic_store(&s->cancel, false);
    error_free(simple(s, &h, "ROLLBACK"));
    exec__peer_put(h.conn);
}

void exec__drop_held(struct exec_session *s)
{
    while (s->n_held)
        exec__drop_one(s, s->n_held - 1);
}

struct error *exec__tell_lost(struct error *e)
{
    struct error *told = exec__lost();
    error_detail(told, "%s", e->message);
    error_free(e);
    return told;
}

struct error *exec__held_failed(struct exec_session *s, struct error *e)
{
    if (s->internal || !exec__is_retryable(e))
        return e;
    exec__drop_held(s);
    if (REPL_MUTATION(transaction_goes_on))
        return e;
    s->lost = true;
    if (!atomic_load(&s->cancel))
        return exec__tell_lost(e);
    struct error *told = exec__canceled();
    error_detail(told, "%s", e->message);
    error_free(e);
    return told;
}

static struct error *hold_there(struct exec_session *s, const char *server, uint64_t schema_version,
                                uint64_t deadline, struct held *h)
{
    const struct store_request *q = &s->owner.request;
    char text[160 + sizeof(s->owner.server)];
    h->kind = HELD_REMOTE;
    TRY(exec__peer_get(s, server, h->region, deadline, &h->conn));
    snprintf(text, sizeof(text), "BEGIN %llu %llu %llu %u %llu %llu %d %s",
             (unsigned long long)h->region, (unsigned long long)schema_version,
             (unsigned long long)q->gateway, q->slot, (unsigned long long)q->seq,
             (unsigned long long)s->lock_timeout_ms, s->nowait != NULL, s->owner.server);
    char tag[64] = "";
    unsigned long long lsn = 0;
    struct error *e = exec__peer_run(s, h->conn, text, NULL, NULL, NULL, NULL, tag);
    if (!e && sscanf(tag, "BEGIN %llu", &lsn) != 1)
        e = error_new(E_PROTOCOL, "malformed answer to BEGIN");
    if (e)
        exec__peer_put(h->conn);
    h->lsn = lsn;
    return e;
}

static const char *table_in(const struct catalog_view *v, uint64_t region)
{
    for (size_t i = 0; i < v->n_tables; i++)
        if (v->tables[i]->region == region)
            return v->tables[i]->name;
    return "";
}

static struct error *refuse(struct exec_session *s, uint64_t first, uint64_t region)
{
    const struct catalog_view *v = catalog_view(s->exec->catalog);
    struct error *e =
        error_new(E_UNSUPPORTED, "a serializable transaction that is read-only cannot use tables "
                                 "of two regions yet");
    error_detail(e, "This one uses the region of \"%s\"; \"%s\" is in another.", table_in(v, first),
                 table_in(v, region));
    error_hint(e, "Leave READ ONLY out, commit in between, or put both tables into one region: a "
                  "FOREIGN KEY between them, or WITH (colocate_with = '..') when creating; or all "
                  "into one: CREATE DATABASE .. WITH COLOCATION = true.");
    catalog_unref(v);
    return e;
}

static struct error *may_hold_another(const struct exec_session *s)
{
    if (s->n_held >= EXEC_MAX_HELD)
        return error_hint(error_new(E_UNSUPPORTED,
                                    "a transaction cannot write to tables of more than %d regions",
                                    EXEC_MAX_HELD),
                          "Commit in between, or put tables into one region: WITH (colocate_with = "
                          "'..') when creating, or CREATE DATABASE .. WITH COLOCATION = true.");
    return NULL;
}

static struct error *take(struct exec_session *s, struct held *h, uint64_t schema_version,
                          uint64_t deadline)
{
    struct place at = {.here = true};
    if (!s->internal)
        TRY(exec__place(s->exec, h->region, &at));
    if (!at.here)
        return hold_there(s, at.server, schema_version, deadline, h);
    h->kind = HELD_LOCAL;
    const struct region_patience patience = {
        .cancel = &s->cancel, .timeout_ms = s->lock_timeout_ms, .nowait = s->nowait != NULL};
    TRY(region_txn_begin(s->exec->regions, h->region, schema_version, &s->owner, &patience,
                         &h->txn));
    h->lsn = store_meta(region_txn_store(h->txn))->applied_lsn;
    return NULL;
}

/* What it has to know that holds a region from now on. */
static struct error *acquaint(struct exec_session *s, const struct held *h)
{
    for (int i = 0; i < s->n_savepoints; i++)
        TRY(mark(s, h));
    TRY(exec__snapshot_holds(s, h));
    TRY(exec__draft_shows(s));
    return exec__say_constraints(s, h);
}

static void add_held(struct exec_session *s, const struct held *h)
{
    if (s->n_held == s->cap_held) {
        s->cap_held = MAX(4, s->cap_held * 2);
        s->held = mem_realloc(s->held, (size_t)s->cap_held * sizeof(*s->held));
    }
    s->held[s->n_held++] = *h;
}

/* In PostgreSQL's words: it is told of what the statement wanted, not of the region. */
static struct error *not_obtained(const struct exec_session *s, struct error *e)
{
    if (!error_is(e, E_LOCK_NOT_AVAILABLE) || !s->nowait || !*s->nowait)
        return e;
    error_free(e);
    return error_new(E_LOCK_NOT_AVAILABLE, "could not obtain lock on %s", s->nowait);
}

struct error *exec__hold(struct exec_session *s, uint64_t region, uint64_t schema_version,
                         uint64_t deadline)
{
    if (s->lost)
        return exec__lost();
    if (exec__held(s, region))
        return NULL;
    if (s->n_held)
        TRY(may_hold_another(s));
    if (!s->owner.request.gateway) {
        s->owner.request = exec__next_request(s);
        snprintf(s->owner.server, sizeof(s->owner.server), "%s", s->exec->name);
    }
    struct held h = {.region = region};
    bool waits = s->n_held > 0;
    if (waits)
        exec__wait_begins(s, region);
    struct error *e = not_obtained(s, take(s, &h, schema_version, deadline));
    if (!e)
        add_held(s, &h);
    if (waits)
        e = exec__wait_ends(s, e);
    if (!e)
        e = acquaint(s, &h);
    if (e && exec__held(s, region))
        exec__drop_one(s, s->n_held - 1);
    return e;
}

void exec_isolate(struct exec_session *s, enum isolation level, bool read_only)
{
    s->level = level;
    s->read_only = read_only;
}

struct error *exec__hold_newest(struct exec_session *s, uint64_t region)
{
    uint64_t deadline = clock_ms() + s->exec->settings.retry_ms;
    for (unsigned tries = 0;;) {
        const struct catalog_view *v = catalog_view(s->exec->catalog);
        const struct region *r = catalog_region(v, region);
        bool exists = r != NULL;
        uint64_t version = exists ? r->schema_version : 0;
        catalog_unref(v);
        if (!exists) /* planning anew finds another */
            return NULL;
        struct error *e = exec__hold(s, region, version, deadline);
        if (error_is(e, E_STALE_SCHEMA) && clock_ms() < deadline) {
            error_free(e);
            exec__catch_up(s->exec);
            continue;
        }
        if (!e || !exec__is_retryable(e))
            return e;
        TRY(exec__wait_retry(s, region, deadline, &tries, e));
    }
}

struct error *exec_hold_for(struct exec_session *s, const struct plan *p)
{
    return exec__hold_newest(s, p->region);
}

struct error *exec_lock_tables(struct exec_session *s, const struct query *q)
{
    if (!q->lock.n)
        return NULL;
    TRY(exec__enter(s));
    struct error *e = NULL;
    for (int i = 0; i < q->lock.n && !e; i++) {
        const struct table *t = q->lock.tables[i];
        _cleanup_(mem_freep) char *what = mem_printf("relation \"%s\"", t->name);
        s->nowait = q->nowait ? what : NULL;
        e = exec__hold_newest(s, t->region);
        s->nowait = NULL;
    }
    exec__leave(s);
    return e;
}

static struct error *isolate_from(struct exec_session *s, uint64_t region, uint64_t schema_version,
                                  uint64_t deadline)
{
    if (!region || region == CATALOG_TEMP_REGION)
        return NULL;
    if (!s->read_only && !s->n_held && s->n_snapshots)
        return error_hint(error_new(E_SERIALIZATION, "the transaction was read-only when it read"),
                          "Run it again without READ ONLY.");
    if (!s->read_only && (!s->n_held || s->level == SERIALIZABLE))
        TRY(exec__hold(s, region, schema_version, deadline));
    if (!s->first_region)
        s->first_region = region;
    return s->level == SERIALIZABLE && s->read_only && s->first_region != region
               ? refuse(s, s->first_region, region)
               : NULL;
}

static struct error *isolate_from_all(struct run *r, const struct plan_scan *scans, int n)
{
    for (int i = 0; i < n; i++)
        TRY(isolate_from(r->s, scans[i].region, scans[i].schema_version, r->deadline));
    return NULL;
}

/* FOR UPDATE over several regions, before any of them is read. */
static struct error *hold_read(struct run *r)
{
    const struct query *q = r->plan->query;
    if (!r->plan->locks || r->plan->kind == PLAN_REGION)
        return NULL;
    for (int i = 0; i < q->n_tables; i++) {
        const struct table *t = q->tables[i].table;
        const struct region *region = catalog_region(r->plan->view, t->region);
        if (region)
            TRY(exec__hold(r->s, region->id, region->schema_version, r->deadline));
    }
    return NULL;
}

struct error *exec__isolate(struct run *r)
{
    struct exec_session *s = r->s;
    const struct plan *p = r->plan;
    if (!s->in_transaction || r->here)
        return NULL;
    TRY(hold_read(r));
    if (s->level <= READ_COMMITTED)
        return NULL;
    s->snapshots = true;
    TRY(isolate_from(s, p->region, p->schema_version, r->deadline));
    if (p->staged)
        TRY(isolate_from_all(r, p->staged->scans, p->staged->n_scans));
    if (p->batch)
        TRY(isolate_from_all(r, p->batch->scans, p->batch->n_scans));
    return p->gather ? isolate_from_all(r, p->gather->scans, p->gather->n_scans) : NULL;
}

/* Around whatever a session does: a transaction that idles is not entered, so that its regions may
 * take the writer back when this server is not the primary any more. */
struct error *exec__enter(struct exec_session *s)
{
    struct error *e = NULL;
    for (int i = 0; i < s->n_held && !e; i++)
        if (s->held[i].kind == HELD_LOCAL)
            e = region_txn_enter(s->held[i].txn);
    return e ? exec__held_failed(s, e) : NULL;
}

void exec__leave(struct exec_session *s)
{
    for (int i = 0; i < s->n_held; i++)
        if (s->held[i].kind == HELD_LOCAL)
            region_txn_leave(s->held[i].txn);
}

/* ---- the end -------------------------------------------------------------------------------- */

struct error *exec_commit(struct exec_session *s)
{
    if (!s->in_transaction)
        return NULL;
    /* From here on the outcome is the region's: a cancel would only make it unknown. */
    atomic_store(&s->cancel, false);
    struct error *e = exec__enter(s);
    if (!e && s->lost)
        e = exec__lost();
    if (!e && s->n_held) {
        struct store_request q = s->owner.request;
        exec__draft_request(s, &q);
        e = exec__commit_held(s, &q);
    } else if (!e) {
        struct store_request q = exec__next_request(s);
        e = exec__draft_prepare(s, &q);
    }
    if (!e)
        e = exec__draft_after_commit(s);
    if (!e)
        e = exec__temp_commit(s);
    ended(s);
    return e;
}

void exec_rollback(struct exec_session *s)
{
    exec__drop_held(s);
    ended(s);
}

/* ---- savepoints ----------------------------------------------------------------------------- */

int exec_savepoints(const struct exec_session *s)
{
    return s->n_savepoints;
}

struct error *exec_savepoint(struct exec_session *s, const char *name)
{
    if (s->lost)
        return exec__lost();
    TRY(exec__enter(s));
    struct error *e = mark_all(s);
    exec__leave(s);
    if (e)
        return exec__held_failed(s, e);
    TRY(exec__temp_mark(s));
    if (s->n_savepoints == s->cap_savepoints) {
        s->cap_savepoints = MAX(8, s->cap_savepoints * 2);
        s->savepoints =
            mem_realloc(s->savepoints, (size_t)s->cap_savepoints * sizeof(*s->savepoints));
        s->said_before =
            mem_realloc(s->said_before, (size_t)s->cap_savepoints * sizeof(*s->said_before));
    }
    exec__draft_mark(s, s->n_savepoints);
    s->said_before[s->n_savepoints] = s->n_said;
    s->savepoints[s->n_savepoints++] = mem_strdup(name);
    return NULL;
}

static struct error *find_savepoint(const struct exec_session *s, const char *name, int *ret)
{
    for (int i = s->n_savepoints - 1; i >= 0; i--)
        if (strcmp(s->savepoints[i], name) == 0) {
            *ret = i;
            return NULL;
        }
    return error_new("3B001", "savepoint \"%s\" does not exist", name);
}

struct error *exec_rollback_to(struct exec_session *s, const char *name)
{
    int at = 0;
    if (s->lost)
        return exec__lost();
    TRY(find_savepoint(s, name, &at));
    atomic_store(&s->cancel, false);
    TRY(exec__enter(s));
    struct error *e = NULL;
    for (int i = s->n_savepoints; !e && i > at; i--)
        e = in_all(s, undo);
    if (!e)
        e = in_all(s, mark);
    for (int i = s->n_savepoints; !e && i > at; i--)
        e = exec__temp_undo(s);
    if (!e)
        e = exec__temp_mark(s);
    if (!e)
        e = exec__draft_undo(s, at);
    if (!e)
        e = exec__unsay_constraints(s, s->said_before[at]);
    exec__leave(s);
    exec__advisory_end(s, at + 1);
    forget_savepoints(s, at + 1);
    return e ? exec__held_failed(s, e) : NULL;
}

struct error *exec_release(struct exec_session *s, const char *name)
{
    int at = 0;
    if (s->lost)
        return exec__lost();
    TRY(find_savepoint(s, name, &at));
    TRY(exec__enter(s));
    struct error *e = NULL;
    for (int i = s->n_savepoints; !e && i > at; i--)
        e = in_all(s, unmark);
    for (int i = s->n_savepoints; !e && i > at; i--)
        e = exec__temp_unmark(s);
    exec__leave(s);
    exec__advisory_lower(s, at);
    forget_savepoints(s, at);
    return e ? exec__held_failed(s, e) : NULL;
}
