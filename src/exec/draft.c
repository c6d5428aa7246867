/*
 * Transactions that change the schema.
 *
 * The session has a draft of the catalog (catalog/draft.c) from its first schema change on: what it
 * analyses, it analyses against that. A schema change goes to the code that the master has for it,
 * which works on the draft as it would on the catalog, and then to the file of the region that the
 * transaction writes, inside the transaction: row changes and DDL travel in one log entry. When the
 * region's primary is another server, its session gets the draft as text (SCHEMA) and has the same
 * view; so do the sessions that hold other regions. The schema of several may change: the first of
 * them decides about all (span.c); that is "the region" below.
 *
 *   exec_begin -> .. -> first schema change: draft -> .. (savepoints: marks) -> COMMIT:
 *
 *     1. at the primary: the draft on the present catalog; the file brought to it
 *     2. the master: PREPARE. Nobody else changed what this hangs on, and nobody will: it is
 * pending
 *     3. the region's log: the entry commits, or does not. This decides
 *     4. the master: SETTLE. Asks 3 and makes the records, or drops the pending change
 *
 * Of several regions it is the gateway that does 1, for all of them, and 2, before the others are
 * prepared: what is prepared can't follow the catalog any more.
 *
 * A crash before 3 leaves nothing but the pending record, one after it a change that has happened;
 * in both cases whoever is master next does 4, as does any schema change before it begins. A new
 * table lies in the region that the transaction writes. If there is none yet, the master makes one
 * for it (provisional), which goes with the transaction, or with the gateway that it was made for.
 */
#include "exec/exec_int.h"

enum { REBASES_MAX = 5, SETTLE_MS = 2000, CATCH_UP_MS = 3000, LEFT_MS = 2000, SHOW_MS = 1500 };

/* ---- the view ------------------------------------------------------------------------------- */

struct catalog *exec_catalog(struct exec_session *s)
{
    if (s->draft)
        catalog_draft_rebase(s->draft);
    return s->draft ? s->draft : s->exec->catalog;
}

const struct catalog_view *exec_view(struct exec_session *s)
{
    return catalog_view(exec_catalog(s));
}

bool exec_has_draft(const struct exec_session *s)
{
    return s->draft != NULL;
}

bool exec_schema_is_current(struct exec_session *s, const struct catalog_view *v)
{
    return catalog_schema_is_current(exec_catalog(s), v);
}

static bool has_changes(const struct exec_session *s)
{
    return s->draft && !catalog_draft_is_empty(s->draft);
}

static bool touches(const struct exec_session *s, uint64_t region)
{
    const struct catalog_draft_mark m = catalog_draft_mark(s->draft);
    for (int i = 0; i < m.n_regions; i++)
        if (m.regions[i] == region)
            return true;
    return false;
}

/* ---- the master ------------------------------------------------------------------------------ */

struct error *exec__no_master(void)
{
    return error_hint(error_new(E_UNAVAILABLE, "no master is elected at the moment"),
                      "Schema changes wait for one: see minisql_servers.");
}

struct error *exec__ask_master(struct exec_session *s, const char *head, const char *body,
                               uint64_t deadline, char tag[64])
{
    struct exec *e = s->exec;
    if (e->ddl.transact && catalog_is_master(e->catalog))
        return e->ddl.transact(e->ddl.ctx, head, body, tag);
    const struct catalog_view *v = catalog_view(e->catalog);
    _cleanup_(mem_freep) char *master = v->master ? mem_strdup(v->master) : NULL;
    catalog_unref(v);
    if (!master || strcmp(master, e->name) == 0)
        return exec__no_master();
    _cleanup_(mem_freep) char *text = mem_printf("TRANSACT %s\n%s", head, body);
    struct peer_conn *c;
    TRY(exec__peer_get(s, master, 0, deadline, &c));
    struct error *err = exec__peer_run(s, c, text, NULL, NULL, NULL, NULL, tag);
    exec__peer_put(c);
    return err;
}

/* Until no change is pending any more, and the view here shows it. */
struct error *exec__settle(struct exec_session *s, unsigned wait_ms)
{
    uint64_t deadline = clock_ms() + wait_ms;
    for (;;) {
        char tag[64];
        struct error *e = catalog_refresh(s->exec->catalog, CATCH_UP_MS);
        const struct catalog_view *v = catalog_view(s->exec->catalog);
        bool settled = !e && !v->changing;
        catalog_unref(v);
        if (settled)
            return NULL;
        if (!e)
            e = exec__ask_master(s, "SETTLE", "", deadline, tag);
        if (e && clock_ms() >= deadline)
            return e;
        if (e)
            sleep_ms(20);
        error_free(e);
    }
}

/* After MS002: what is pending shows within milliseconds. */
void exec__catch_up(struct exec *e)
{
    uint64_t deadline = clock_ms() + CATCH_UP_MS;
    error_free(catalog_refresh(e->catalog, CATCH_UP_MS));
    for (bool changing = true; changing && clock_ms() < deadline;) {
        const struct catalog_view *v = catalog_view(e->catalog);
        changing = v->changing != 0;
        catalog_unref(v);
        if (changing)
            sleep_ms(2);
    }
}

/* A server that does not answer sees it by its watch. */
void exec__show_everywhere(struct exec *e)
{
    exec__tell_servers(e, "SEE", SHOW_MS);
}

/* ---- the region of new tables ---------------------------------------------------------------- */

enum { OWNER_MAX = CATALOG_NAME_MAX + 48 };

static const char *owner(struct exec *e, uint64_t asked_as, char ret[OWNER_MAX])
{
    const struct catalog_view *v = catalog_view(e->catalog);
    const struct server *self = catalog_server(v, e->name);
    snprintf(ret, OWNER_MAX, "%s:%llu.%llu", e->name,
             (unsigned long long)(self ? self->incarnation : 0), (unsigned long long)asked_as);
    catalog_unref(v);
    return ret;
}

struct error *exec_draft_region(struct exec_session *s, struct catalog *draft, int copies,
                                uint64_t *ret)
{
    if (!s->draft_region && s->n_held)
        s->draft_region = s->held[0].region;
    if (s->draft_region && s->draft_region != s->provisional) {
        *ret = s->draft_region;
        return NULL;
    }
    if (!s->provisional) {
        char head[OWNER_MAX + 32], name[OWNER_MAX], tag[64] = "";
        unsigned long long id;
        if (!s->asked_as)
            s->asked_as = atomic_fetch_add(&s->exec->seq, 1) + 1;
        snprintf(head, sizeof(head), "REGION %d %s", copies, owner(s->exec, s->asked_as, name));
        TRY(exec__ask_master(s, head, "", clock_ms() + s->exec->settings.retry_ms, tag));
        if (sscanf(tag, "REGION %llu", &id) != 1)
            return error_new(E_PROTOCOL, "the master gave no region");
        s->provisional = id;
        TRY(catalog_refresh(s->exec->catalog, CATCH_UP_MS));
    }
    catalog_draft_rebase(draft);
    *ret = s->provisional;
    return NULL;
}

/* Whose region no master took back yet; 0: nobody's, or it is too early to ask again. */
static uint64_t take_left(struct exec *e)
{
    uint64_t asked_as = 0;
    pthread_mutex_lock(&e->lock);
    if (e->n_left && clock_ms() >= e->left_until) {
        asked_as = e->left[e->n_left - 1];
        atomic_store(&e->n_left, e->n_left - 1);
    }
    pthread_mutex_unlock(&e->lock);
    return asked_as;
}

static void leave_for_later(struct exec *e, uint64_t asked_as)
{
    pthread_mutex_lock(&e->lock);
    e->left = mem_realloc(e->left, (e->n_left + 1) * sizeof(*e->left));
    e->left[e->n_left] = asked_as;
    atomic_store(&e->n_left, e->n_left + 1);
    e->left_until = clock_ms() + LEFT_MS;
    pthread_mutex_unlock(&e->lock);
}

/* The transaction is over: what was made for it goes, unless it has got tables; also what may have
 * been made, with no answer that told of it. Where no master answers, the next client's session
 * that ends a transaction here asks again: only a client's, for the sessions of a server's own may
 * belong to a master that is busy with the question. */
static void drop_provisional(struct exec_session *s)
{
    struct exec *e = s->exec;
    uint64_t asked_as = s->asked_as;
    if (!asked_as && s->pid && atomic_load_explicit(&e->n_left, memory_order_relaxed))
        asked_as = take_left(e);
    if (!asked_as)
        return;
    char head[OWNER_MAX + 32], name[OWNER_MAX], tag[64];
    atomic_store(&s->cancel, false);
    snprintf(head, sizeof(head), "UNREGION %s", owner(e, asked_as, name));
    struct error *failed = exec__ask_master(s, head, "", clock_ms() + SETTLE_MS, tag);
    if (failed) {
        log_failure(LOG_INFO, failed, "the region of transaction %s is dropped later", name);
        leave_for_later(e, asked_as);
    }
    error_free(failed);
    s->provisional = s->asked_as = 0;
}

/* ---- what the file is told ------------------------------------------------------------------- */

/* A region whose file the draft changes. */
static struct error *hold(struct exec_session *s, uint64_t region, uint64_t deadline)
{
    if (!s->draft_region || !touches(s, s->draft_region))
        s->draft_region = region;
    s->holding = region;
    for (unsigned tries = 0;;) {
        const struct catalog_view *v = catalog_view(s->exec->catalog);
        const struct region *r = catalog_region(v, region);
        uint64_t version = r ? r->schema_version : 0;
        catalog_unref(v);
        struct error *e = exec__hold(s, region, version, deadline);
        /* One that was made for us comes to be served in a moment; it would go with a rollback. */
        if (!e || s->lost || region != s->provisional || !exec__is_retryable(e))
            return e;
        TRY(exec__wait_retry(s, region, deadline, &tries, e));
    }
}

static uint64_t stamp_of(struct exec_session *s)
{
    const struct catalog_view *v = catalog_view(s->draft);
    uint64_t stamp = v->schema;
    catalog_unref(v);
    return stamp;
}

static struct error *bring_here(struct exec_session *s, const struct held *h)
{
    if (!touches(s, h->region))
        return NULL;
    const struct catalog_view *v = catalog_view(s->draft);
    struct error *e = region_txn_schema(h->txn, v);
    catalog_unref(v);
    return e;
}

static struct error *bring_there(struct exec_session *s, const struct held *h)
{
    _cleanup_(mem_freep) char *draft = NULL;
    TRY(catalog_draft_text(s->draft, NULL, &draft));
    _cleanup_(mem_freep) char *text =
        mem_printf("SCHEMA %llu\n%s", (unsigned long long)s->draft_region, draft);
    return exec__peer_run(s, h->conn, text, NULL, NULL, NULL, NULL, NULL);
}

/* The file of a region that is held, or the session that holds it, gets what is new. */
static struct error *bring_to(struct exec_session *s, struct held *h)
{
    uint64_t stamp = stamp_of(s);
    if (h->brought == stamp)
        return NULL;
    s->n_brought++;
    h->wrote |= touches(s, h->region);
    TRY(h->kind == HELD_LOCAL ? bring_here(s, h) : bring_there(s, h));
    h->brought = stamp;
    return NULL;
}

/* What the draft is based on has to be as new as the files were when they were held: a table that
 * others made before, with their rows, would be none of the schema's and go. */
static void base_on_present(struct exec_session *s)
{
    catalog_draft_rebase(s->draft);
    if (!s->draft_region && s->n_held) /* it changes no file: any of them may decide */
        s->draft_region = s->held[0].region;
    catalog_draft_hold(s->draft, s->draft_region);
}

static struct error *bring(struct exec_session *s)
{
    base_on_present(s);
    for (int i = 0; i < s->n_held; i++)
        TRY(bring_to(s, &s->held[i]));
    return NULL;
}

struct error *exec__draft_shows(struct exec_session *s)
{
    if (!s->draft)
        return NULL;
    base_on_present(s);
    int newest = s->n_held - 1;
    for (int i = 0; i < newest; i++) {
        struct error *e = bring_to(s, &s->held[i]);
        if (e) /* to hold the new one again would not help */
            return exec__held_failed(s, e);
    }
    return bring_to(s, &s->held[newest]);
}

void exec__draft_decides(struct exec_session *s)
{
    if (!has_changes(s))
        return;
    struct held *h = exec__held(s, s->draft_region);
    if (!h) /* it changes no file */
        s->draft_region = s->held[0].region;
    h = exec__held(s, s->draft_region);
    const struct held first = s->held[0];
    s->held[0] = *h;
    *h = first;
    s->held[0].wrote = true;
}

/* Which of the regions that the draft touches the transaction has to hold. Where tables only go,
 * the catalog's word suffices: the file follows it. */
static struct error *hold_touched(struct exec_session *s, uint64_t deadline)
{
    const struct catalog_draft_mark m = catalog_draft_mark(s->draft);
    for (int i = 0; i < m.n_regions; i++)
        if (catalog_draft_builds(s->draft, m.regions[i]))
            TRY(hold(s, m.regions[i], deadline));
    if (m.n_regions && !s->n_held)
        TRY(hold(s, m.regions[0], deadline));
    return NULL;
}

struct error *exec_draft_hold(struct exec_session *s, uint64_t region)
{
    return hold(s, region, clock_ms() + s->exec->settings.retry_ms);
}

struct error *exec_draft_bring(struct exec_session *s)
{
    TRY(hold_touched(s, clock_ms() + s->exec->settings.retry_ms));
    struct error *e = bring(s);
    return e ? exec__held_failed(s, e) : NULL;
}

struct error *exec_draft_ddl(struct exec_session *s, uint64_t region, const char *sql)
{
    TRY(exec_draft_hold(s, region));
    s->n_brought++;
    struct error *e;
    const struct held *h = exec__held(s, region);
    if (h->kind == HELD_LOCAL) {
        e = region_txn_ddl(h->txn, sql);
    } else {
        _cleanup_(mem_freep) char *text =
            mem_printf("DDL %llu 0\n%s", (unsigned long long)region, sql);
        e = exec__peer_run(s, h->conn, text, NULL, NULL, NULL, NULL, NULL);
    }
    return e ? exec__held_failed(s, e) : NULL;
}

struct error *exec_draft_query(struct exec_session *s, struct plan *plan,
                               const struct exec_sink *sink)
{
    struct run r = {.s = s, .e = s->exec, .plan = plan, .sink = sink};
    r.deadline = clock_ms() + s->exec->settings.retry_ms;
    struct error *e = exec__bind_hidden(&r, NULL);
    if (!e) {
        exec__stage_params(&r, r.n_params);
        if (plan->writes)
            r.request = exec__next_request(s);
        e = exec__run(&r);
        exec__stage_done(&r);
    }
    arena_done(&r.arena);
    return e;
}

/* ---- a schema change ------------------------------------------------------------------------- */

/* What has changed the file can't be tried again. */
static struct error *cannot_repeat(struct exec_session *s, struct error *e)
{
    if (!s->n_held || !error_is(e, E_STALE_SCHEMA) || s->alone)
        return e;
    struct error *told =
        error_hint(error_new(E_SERIALIZATION,
                             "could not serialize access due to a concurrent change of the schema"),
                   "Run the transaction again.");
    error_detail(told, "%s", e->message);
    error_free(e);
    return told;
}

/* Many may wait for a region to make a table in it. Each finds the schema changed by who had it
 * before, so it is held while the statement is planned once more. */
static struct error *hold_before_repeating(struct exec_session *s, struct error *e)
{
    struct error *failed = exec__hold_newest(s, s->holding);
    if (!failed)
        return e;
    error_free(e);
    return failed;
}

static struct error *change(struct run *r)
{
    struct exec_session *s = r->s;
    struct exec *e = s->exec;
    TRY(e->ddl.draft(e->ddl.ctx, s, s->draft, r->plan->query));
    return exec_draft_bring(s);
}

struct error *exec__run_draft(struct run *r)
{
    struct exec_session *s = r->s;
    if (!s->exec->ddl.draft)
        return error_new(E_INTERNAL, "this server makes no schema changes");
    exec__catch_up(s->exec);
    if (!s->draft)
        s->draft = catalog_draft_new(s->exec->catalog);
    TRY(exec__made_put(s));
    const struct catalog_draft_mark before = catalog_draft_mark(s->draft);
    unsigned brought = s->n_brought;
    s->holding = 0;
    struct error *e = change(r);
    if (!e)
        return NULL;
    catalog_draft_undo(s->draft, &before);
    bool again = error_is(e, E_STALE_SCHEMA) && s->holding && s->n_brought == brought && !s->alone;
    return again ? hold_before_repeating(s, e) : cannot_repeat(s, e);
}

struct error *exec__run_draft_alone(struct run *r)
{
    struct exec_session *s = r->s;
    TRY(exec_begin(s));
    s->alone = true;
    struct error *e = exec__run_draft(r);
    if (e)
        exec_rollback(s);
    else
        e = exec_commit(s);
    s->alone = false;
    if (!error_is(e, E_SERIALIZATION))
        return e;
    struct error *again = error_new(E_UNAVAILABLE, "%s", e->message); /* see exec__is_retryable */
    error_free(e);
    return again;
}

/* A peer's SCHEMA. */
struct error *exec__take_draft(struct exec_session *s, uint64_t region, const char *text)
{
    if (!s->n_held)
        return error_new(E_PROTOCOL, "malformed internal statement");
    TRY(catalog_refresh(s->exec->catalog, CATCH_UP_MS));
    if (!s->draft)
        s->draft = catalog_draft_new(s->exec->catalog);
    TRY(catalog_draft_read(s->draft, text, NULL));
    exec__made_forget(s);
    s->draft_region = region;
    catalog_draft_hold(s->draft, region);
    TRY(bring_here(s, &s->held[0]));
    s->held[0].brought = stamp_of(s);
    return NULL;
}

/* ---- savepoints ------------------------------------------------------------------------------ */

void exec__draft_mark(struct exec_session *s, int depth)
{
    if (depth >= s->cap_marks) {
        s->cap_marks = MAX(8, depth * 2);
        s->marks = mem_realloc(s->marks, (size_t)s->cap_marks * sizeof(*s->marks));
    }
    s->marks[depth] = s->draft ? catalog_draft_mark(s->draft) : (struct catalog_draft_mark){0};
}

struct error *exec__draft_undo(struct exec_session *s, int depth)
{
    if (!s->draft)
        return NULL;
    catalog_draft_undo(s->draft, &s->marks[depth]);
    exec__made_undo(s);
    return bring(s);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Rows in minisql_requests by slot: a later request of the session would take the place of one that
 * a pending change is to be decided by. The next change settles this one before it takes its. */
void exec__draft_request(const struct exec_session *s, struct store_request *q)
{
    if (has_changes(s))
        q->slot |= UINT32_C(1) << 31;
}

static struct error *prepare(struct exec_session *s, const struct store_request *q,
                             uint64_t deadline)
{
    const struct catalog_request request = {.gateway = q->gateway, .slot = q->slot, .seq = q->seq};
    _cleanup_(mem_freep) char *text = NULL;
    char tag[64];
    TRY(bring(s));
    TRY(catalog_draft_text(s->draft, &request, &text));
    return exec__ask_master(s, "PREPARE", text, deadline, tag);
}

/* Steps 1 and 2, here. Until a master is there; on a newer catalog when it says so. */
static struct error *prepare_here(struct exec_session *s, const struct store_request *q)
{
    uint64_t deadline = clock_ms() + s->exec->settings.retry_ms;
    for (int rebases = 0;;) {
        struct error *e = prepare(s, q, deadline);
        bool rebase = error_is(e, E_STALE_SCHEMA) && rebases++ < REBASES_MAX;
        bool wait = error_is(e, E_UNAVAILABLE) && clock_ms() < deadline;
        if (!rebase && !wait)
            return e ? cannot_repeat(s, e) : NULL;
        error_free(e);
        if (wait)
            sleep_ms(100);
        error_free(catalog_refresh(s->exec->catalog, CATCH_UP_MS));
    }
}

struct error *exec__draft_prepare(struct exec_session *s, const struct store_request *q)
{
    if (!has_changes(s))
        return NULL;
    TRY(exec__made_put(s));
    return prepare_here(s, q);
}

void exec__draft_undone(struct exec_session *s)
{
    if (has_changes(s))
        error_free(exec__settle(s, SETTLE_MS));
}

struct error *exec__commit_local(struct exec_session *s, const struct store_request *q,
                                 const uint64_t *participants, int n)
{
    bool changes = has_changes(s);
    struct region_txn *txn = s->held[0].txn;
    struct error *e = exec__transaction_ends(s, region_txn_store(txn), s->held[0].region);
    if (!e && !n)
        e = exec__draft_prepare(s, q);
    if (e) {
        exec__drop_held(s);
        return e;
    }
    s->n_held = 0;
    e = n ? region_txn_decide(txn, q, participants, (size_t)n) : region_txn_commit(txn, q);
    if (changes && !n) /* if not now: the gateway sees to it, or the master */
        error_free(exec__settle(s, SETTLE_MS));
    return e;
}

struct error *exec__draft_before_commit(struct exec_session *s)
{
    if (!has_changes(s) || !s->n_held || s->held[0].kind != HELD_REMOTE)
        return NULL;
    TRY(exec__made_put(s));
    return bring(s);
}

/* Step 4 as the client sees it: what is committed shows from now on. */
struct error *exec__draft_after_commit(struct exec_session *s)
{
    if (!has_changes(s))
        return NULL;
    struct error *e = exec__settle(s, s->exec->settings.retry_ms);
    if (!e) {
        exec__show_everywhere(s->exec);
        return NULL;
    }
    struct error *told =
        error_hint(error_new("08007", "the transaction committed, but its tables do not show yet"),
                   "They do as soon as a master is elected and reaches the coordination store.");
    error_detail(told, "%s", e->message);
    error_free(e);
    return told;
}

void exec__draft_end(struct exec_session *s)
{
    if (s->draft)
        catalog_close(s->draft);
    s->draft = NULL;
    exec__made_forget(s);
    s->draft_region = 0;
    drop_provisional(s);
}
