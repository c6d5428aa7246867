/*
 * A session's transaction: nothing until it writes, then one region, held here or at the server
 * that is its primary.
 *
 *   none --exec_begin--> open --exec__hold--> held (LOCAL | REMOTE) --exec_commit, exec_rollback-->
 * none
 *                                               |
 *                                               +--the primary is lost--> lost --exec_rollback-->
 * none
 *
 * Invariant: while a region is held, its store has one mark for each savepoint name here, in the
 * same order (savepoints made before the region was held are marked when it is). A failed statement
 * needs no mark of its own: the transaction is failed then, and only a rollback, whole or to a
 * savepoint, follows.
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
}

struct error *exec__lost(void)
{
    return error_hint(error_new(E_SERIALIZATION,
                                "the transaction was lost with the server that ran "
                                "it, or when a statement of it was canceled"),
                      "Run the transaction again.");
}

/* ---- holding -------------------------------------------------------------------------------- */

static struct error *simple(struct exec_session *s, const char *text)
{
    return exec__peer_run(s, s->held.conn, text, NULL, NULL, NULL, NULL, NULL);
}

static struct error *mark(struct exec_session *s)
{
    if (s->held.kind == HELD_LOCAL)
        return store_mark(region_txn_store(s->held.txn));
    return s->held.kind == HELD_REMOTE ? simple(s, "MARK") : NULL;
}

static struct error *unmark(struct exec_session *s)
{
    if (s->held.kind == HELD_LOCAL)
        return store_release_mark(region_txn_store(s->held.txn));
    return s->held.kind == HELD_REMOTE ? simple(s, "UNMARK") : NULL;
}

static struct error *undo(struct exec_session *s)
{
    if (s->held.kind == HELD_LOCAL)
        return store_rollback_to(region_txn_store(s->held.txn));
    return s->held.kind == HELD_REMOTE ? simple(s, "UNDO") : NULL;
}

void exec__drop_held(struct exec_session *s)
{
    if (s->held.kind == HELD_LOCAL)
        region_txn_rollback(s->held.txn);
    if (s->held.kind == HELD_REMOTE) {
        atomic_store(&s->cancel, false);
        error_free(simple(s, "ROLLBACK"));
        exec__peer_put(s->held.conn);
    }
    s->held = (struct held){0};
}

struct error *exec__held_failed(struct exec_session *s, struct error *e)
{
    if (s->internal || !exec__is_retryable(e))
        return e;
    exec__drop_held(s);
    if (REPL_MUTATION(transaction_goes_on))
        return e;
    s->lost = true;
    struct error *told = atomic_load(&s->cancel) ? exec__canceled() : exec__lost();
    error_detail(told, "%s", e->message);
    error_free(e);
    return told;
}

static struct error *hold_there(struct exec_session *s, const char *server, uint64_t region,
                                uint64_t schema_version, uint64_t deadline)
{
    struct peer_conn *c;
    TRY(exec__peer_get(s, server, region, deadline, &c));
    char text[80];
    snprintf(text, sizeof(text), "BEGIN %llu %llu", (unsigned long long)region,
             (unsigned long long)schema_version);
    struct error *e = exec__peer_run(s, c, text, NULL, NULL, NULL, NULL, NULL);
    if (e) {
        exec__peer_put(c);
        return e;
    }
    s->held = (struct held){.kind = HELD_REMOTE, .region = region, .conn = c};
    return NULL;
}

static struct error *refuse_second(struct exec_session *s, uint64_t first, uint64_t region)
{
    const struct catalog_view *v = catalog_view(s->exec->catalog);
    const char *names[2] = {"", ""};
    for (size_t i = 0; i < v->n_tables; i++) {
        if (v->tables[i]->region == first)
            names[0] = v->tables[i]->name;
        if (v->tables[i]->region == region)
            names[1] = v->tables[i]->name;
    }
    bool serial = s->level == SERIALIZABLE, held = s->level > READ_COMMITTED;
    struct error *e =
        error_new(E_UNSUPPORTED, "a %stransaction cannot %s tables of two regions yet",
                  serial ? "serializable " : "", serial ? "use" : "write to");
    error_detail(e, "This one %s the region of \"%s\"; \"%s\" is in another.",
                 held ? "holds" : "has written to", names[0], names[1]);
    error_hint(e, "Commit in between, or put both tables into one region: a FOREIGN KEY between "
                  "them, or WITH (colocate_with = '..') when creating; or all into one: CREATE "
                  "DATABASE .. WITH COLOCATION = true.");
    catalog_unref(v);
    return e;
}

struct error *exec__hold(struct exec_session *s, uint64_t region, uint64_t schema_version,
                         uint64_t deadline)
{
    if (s->lost)
        return exec__lost();
    if (s->held.kind != HELD_NONE)
        return s->held.region == region ? NULL : refuse_second(s, s->held.region, region);
    struct place at = {.here = true};
    if (!s->internal)
        TRY(exec__place(s->exec, region, &at));
    if (at.here) {
        struct region_txn *txn;
        TRY(region_txn_begin(s->exec->regions, region, schema_version, &s->cancel, &txn));
        s->held = (struct held){.kind = HELD_LOCAL, .region = region, .txn = txn};
    } else {
        TRY(hold_there(s, at.server, region, schema_version, deadline));
    }
    for (int i = 0; i < s->n_savepoints; i++) {
        struct error *e = mark(s);
        if (e) {
            exec__drop_held(s);
            return e;
        }
    }
    struct error *e = exec__say_constraints(s);
    if (e)
        exec__drop_held(s);
    return e;
}

void exec_isolate(struct exec_session *s, enum isolation level, bool read_only)
{
    s->level = level;
    s->read_only = read_only;
}

struct error *exec_hold_for(struct exec_session *s, const struct plan *p)
{
    uint64_t deadline = clock_ms() + s->exec->settings.retry_ms;
    for (unsigned tries = 0;;) {
        const struct catalog_view *v = catalog_view(s->exec->catalog);
        const struct region *r = catalog_region(v, p->region);
        bool exists = r != NULL;
        uint64_t version = exists ? r->schema_version : 0;
        catalog_unref(v);
        if (!exists) /* planning anew finds another */
            return NULL;
        struct error *e = exec__hold(s, p->region, version, deadline);
        if (error_is(e, E_STALE_SCHEMA) && clock_ms() < deadline) {
            error_free(e);
            exec__catch_up(s->exec);
            continue;
        }
        if (!e || !exec__is_retryable(e))
            return e;
        TRY(exec__wait_retry(s, p->region, deadline, &tries, e));
    }
}

static struct error *isolate_from(struct exec_session *s, uint64_t region, uint64_t schema_version,
                                  uint64_t deadline)
{
    if (!region || region == CATALOG_TEMP_REGION)
        return NULL;
    if (!s->read_only && s->held.kind == HELD_NONE && s->n_snapshots)
        return error_hint(error_new(E_SERIALIZATION, "the transaction was read-only when it read"),
                          "Run it again without READ ONLY.");
    if (!s->read_only && s->held.kind == HELD_NONE)
        TRY(exec__hold(s, region, schema_version, deadline));
    if (!s->first_region)
        s->first_region = region;
    return s->level == SERIALIZABLE && s->first_region != region
               ? refuse_second(s, s->first_region, region)
               : NULL;
}

static struct error *isolate_from_all(struct run *r, const struct plan_scan *scans, int n)
{
    for (int i = 0; i < n; i++)
        TRY(isolate_from(r->s, scans[i].region, scans[i].schema_version, r->deadline));
    return NULL;
}

struct error *exec__isolate(struct run *r)
{
    struct exec_session *s = r->s;
    const struct plan *p = r->plan;
    if (!s->in_transaction || r->here)
        return NULL;
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

/* Around whatever a session does: a transaction that idles is not entered, so that its region may
 * take the writer back when this server is not the primary any more. */
struct error *exec__enter(struct exec_session *s)
{
    struct error *e = s->held.kind == HELD_LOCAL ? region_txn_enter(s->held.txn) : NULL;
    return e ? exec__held_failed(s, e) : NULL;
}

void exec__leave(struct exec_session *s)
{
    if (s->held.kind == HELD_LOCAL)
        region_txn_leave(s->held.txn);
}

/* ---- the end -------------------------------------------------------------------------------- */

static struct error *ask_applied(struct exec_session *s, uint64_t region,
                                 const struct store_request *q, uint64_t deadline, bool *ret)
{
    struct place at;
    TRY(exec__place(s->exec, region, &at));
    if (at.here)
        return region_request_applied(s->exec->regions, region, q, ret);
    struct peer_conn *c;
    TRY(exec__peer_get(s, at.server, region, deadline, &c));
    char text[120], tag[64] = "";
    snprintf(text, sizeof(text), "APPLIED %llu %llu %u %llu", (unsigned long long)region,
             (unsigned long long)q->gateway, q->slot, (unsigned long long)q->seq);
    struct error *e = exec__peer_run(s, c, text, NULL, NULL, NULL, NULL, tag);
    exec__peer_put(c);
    *ret = strcmp(tag, "APPLIED 1") == 0;
    return e;
}

/* The primary was lost during COMMIT: the next one knows whether the transaction is in its log. */
static struct error *resolve(struct exec_session *s, uint64_t region, const struct store_request *q)
{
    uint64_t deadline = clock_ms() + s->exec->settings.retry_ms;
    unsigned tries = 0;
    for (;;) {
        bool applied = false;
        struct error *e = ask_applied(s, region, q, deadline, &applied);
        if (!e)
            return applied || REPL_MUTATION(commit_is_assumed) ? NULL : exec__lost();
        if (exec__is_retryable(e))
            e = exec__wait_retry(s, region, deadline, &tries, e);
        if (e) {
            struct error *told =
                error_hint(error_new("08007", "it is not known whether the transaction committed"),
                           "Look at the data before running it again.");
            error_detail(told, "%s", e->message);
            error_free(e);
            return told;
        }
    }
}

static struct error *commit_held(struct exec_session *s, const struct store_request *q)
{
    struct held h = s->held;
    struct error *e;
    if (h.kind == HELD_LOCAL) {
        e = exec__commit_local(s, q);
    } else {
        char text[100];
        snprintf(text, sizeof(text), "COMMIT %llu %u %llu", (unsigned long long)q->gateway, q->slot,
                 (unsigned long long)q->seq);
        e = simple(s, text);
        s->held = (struct held){0};
        exec__peer_put(h.conn);
    }
    if (!e || !exec__is_retryable(e))
        return e;
    error_free(e);
    return resolve(s, h.region, q);
}

struct error *exec_commit(struct exec_session *s)
{
    if (!s->in_transaction)
        return NULL;
    /* From here on the outcome is the region's: a cancel would only make it unknown. */
    atomic_store(&s->cancel, false);
    struct error *e = NULL;
    if (s->lost) {
        e = exec__lost();
    } else if (s->held.kind != HELD_NONE) {
        struct store_request q = exec__next_request(s);
        exec__draft_request(s, &q);
        e = exec__draft_before_commit(s);
        if (e)
            exec__drop_held(s);
        else
            e = commit_held(s, &q);
    } else {
        struct store_request q = exec__next_request(s);
        e = exec__commit_draft_alone(s, &q);
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
    struct error *e = mark(s);
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
        e = undo(s);
    if (!e)
        e = mark(s);
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
        e = unmark(s);
    for (int i = s->n_savepoints; !e && i > at; i--)
        e = exec__temp_unmark(s);
    exec__leave(s);
    exec__advisory_lower(s, at);
    forget_savepoints(s, at);
    return e ? exec__held_failed(s, e) : NULL;
}
