/*
 * The end of a transaction that has written: in one region its commit, in several two-phase commit.
 *
 *   1. all but one:  PREPARE. What the transaction did there is in their logs, and keeps the writer
 *   2. the one that decides:  COMMIT, which also remembers who waits for it. This is the moment
 *   3. all but one:  DECIDE. Only then is the client answered, so that it reads what it wrote
 *
 * The region that decides is the first that was written, or that of which the schema was changed. A
 * failure before 2 undoes all; one in 2 is resolved as that of a transaction in one region is: its
 * next primary knows. After 2 the transaction has committed, whatever comes.
 *
 * Whoever is prepared and does not hear of a decision (the gateway is gone, or it was, or the
 * primary is a new one) asks the region that decides. Its answer is final, because the transaction
 * holds that region's writer as long as it may still commit (region/span.c). So nothing stays
 * locked longer than a region has no primary. That is the work of a thread at each server
 * (resolve_doubts), which also has decisions forgotten of which all have heard (forget_decisions).
 */
#include "exec/exec_int.h"

enum {
    SILENT_MS = 500,   /* so long a gateway may take between two of the above */
    FROZEN_MS = 5000,  /* then it is taken for frozen, and its transaction for over */
    PATIENCE_MS = 500, /* with a server that is asked in the background */
    FORGET_MS = 5000,  /* between two looks for decisions to forget */
    DOUBTS_MAX = 64,   /* regions looked at in a round */
    DECISIONS_MAX = 4096,
};

/* ---- a question to a region's primary -------------------------------------------------------- */

/* Once, wherever that is; the answer's tag. */
static struct error *ask(struct exec_session *s, uint64_t region, uint64_t deadline,
                         const char *text, char tag[64])
{
    struct place at;
    struct peer_conn *c;
    TRY(exec__place(s->exec, region, &at));
    TRY(exec__peer_get(s, at.server, region, deadline, &c));
    struct error *e = exec__peer_run(s, c, text, NULL, NULL, NULL, NULL, tag);
    exec__peer_put(c);
    return e;
}

static bool is_here(struct exec_session *s, uint64_t region)
{
    struct place at = {0};
    error_free(exec__place(s->exec, region, &at));
    return at.here;
}

static struct error *ask_applied(struct exec_session *s, uint64_t region,
                                 const struct store_request *q, uint64_t deadline, bool *ret)
{
    if (is_here(s, region))
        return region_request_applied(s->exec->regions, region, q, ret);
    char text[120], tag[64] = "";
    snprintf(text, sizeof(text), "APPLIED %llu %llu %u %llu", (unsigned long long)region,
             (unsigned long long)q->gateway, q->slot, (unsigned long long)q->seq);
    TRY(ask(s, region, deadline, text, tag));
    *ret = strcmp(tag, "APPLIED 1") == 0;
    return NULL;
}

static const char *decide_text(uint64_t region, const struct store_request *q, bool commit,
                               char ret[120])
{
    snprintf(ret, 120, "DECIDE %llu %llu %u %llu %d", (unsigned long long)region,
             (unsigned long long)q->gateway, q->slot, (unsigned long long)q->seq, commit);
    return ret;
}

static struct error *decide(struct exec_session *s, uint64_t region, const struct store_request *q,
                            bool commit, uint64_t deadline)
{
    char text[120], tag[64];
    return is_here(s, region) ? region_decide(s->exec->regions, region, q, commit)
                              : ask(s, region, deadline, decide_text(region, q, commit, text), tag);
}

/* ---- one region ------------------------------------------------------------------------------ */

static struct error *unknown(const char *message, const char *hint, struct error *e)
{
    struct error *told = error_hint(error_new("08007", "%s", message), "%s", hint);
    error_detail(told, "%s", e->message);
    error_free(e);
    return told;
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
        if (e)
            return unknown("it is not known whether the transaction committed",
                           "Look at the data before running it again.", e);
    }
}

/* The first that is held; the others, n of them, hear of it. */
static struct error *commit_first(struct exec_session *s, const struct store_request *q,
                                  const uint64_t *participants, int n)
{
    struct held h = s->held[0];
    struct error *e = n ? NULL : exec__draft_before_commit(s);
    if (e) {
        exec__drop_one(s, 0);
        return e;
    }
    if (h.kind == HELD_LOCAL) {
        e = exec__commit_local(s, q, participants, n);
    } else {
        _cleanup_(buf_done) struct buf text = {0};
        buf_printf(&text, "COMMIT %llu %u %llu", (unsigned long long)q->gateway, q->slot,
                   (unsigned long long)q->seq);
        for (int i = 0; i < n; i++)
            buf_printf(&text, " %llu", (unsigned long long)participants[i]);
        s->n_held = 0;
        e = exec__peer_run(s, h.conn, text.data, NULL, NULL, NULL, NULL, NULL);
        exec__peer_put(h.conn);
    }
    if (!e || !exec__is_retryable(e))
        return e;
    error_free(e);
    return resolve(s, h.region, q);
}

/* ---- several --------------------------------------------------------------------------------- */

/* A region that does not decide. */
struct part {
    uint64_t region;
    struct peer_conn *conn; /* NULL: it is here */
    bool prepared;
    struct error *error;
};

struct error *exec__prepare_local(struct exec_session *s, const struct held *h, uint64_t decider,
                                  bool *ret)
{
    struct error *e = exec__transaction_ends(s, region_txn_store(h->txn), h->region);
    if (!e)
        return region_txn_prepare(h->txn, decider, ret);
    region_txn_rollback(h->txn);
    return e;
}

/* What was only locked is let go; the first of those that were written comes first. */
static void let_go(struct exec_session *s)
{
    bool wrote = false;
    exec__draft_decides(s);
    for (int i = 0; i < s->n_held; i++)
        wrote |= s->held[i].wrote;
    for (int i = s->n_held - 1; i >= 0; i--)
        if (wrote ? !s->held[i].wrote : i > 0)
            exec__drop_one(s, i);
}

/* Those of other servers work at the same time. */
static void prepare_all(struct exec_session *s, struct part *parts, int n)
{
    uint64_t decider = s->held[0].region;
    char text[40], tag[64];
    snprintf(text, sizeof(text), "PREPARE %llu", (unsigned long long)decider);
    for (int i = 0; i < n; i++) {
        const struct held *h = &s->held[i + 1];
        parts[i] = (struct part){.region = h->region, .conn = h->conn};
        if (h->conn)
            parts[i].error = exec__peer_send(s, h->conn, text);
    }
    for (int i = 0; i < n; i++)
        if (!parts[i].conn)
            parts[i].error = exec__prepare_local(s, &s->held[i + 1], decider, &parts[i].prepared);
    for (int i = 0; i < n; i++)
        if (parts[i].conn && !parts[i].error) {
            parts[i].error = exec__peer_receive(s, parts[i].conn, tag);
            parts[i].prepared = !parts[i].error && strcmp(tag, "PREPARE 1") == 0;
        }
    s->n_held = 1;
}

/* Once to each, those of other servers at the same time; what fails is in `error`. */
static void decide_all(struct exec_session *s, struct part *parts, int n,
                       const struct store_request *q, bool commit)
{
    char text[120], tag[64];
    for (int i = 0; i < n; i++)
        if (parts[i].prepared && parts[i].conn)
            parts[i].error =
                exec__peer_send(s, parts[i].conn, decide_text(parts[i].region, q, commit, text));
    for (int i = 0; i < n; i++)
        if (parts[i].prepared && !parts[i].conn)
            parts[i].error = region_decide(s->exec->regions, parts[i].region, q, commit);
    for (int i = 0; i < n; i++)
        if (parts[i].prepared && parts[i].conn && !parts[i].error)
            parts[i].error = exec__peer_receive(s, parts[i].conn, tag);
}

static struct error *first_error(struct part *parts, int n)
{
    struct error *e = NULL;
    for (int i = 0; i < n; i++) {
        if (e)
            error_free(parts[i].error);
        else
            e = parts[i].error;
        parts[i].error = NULL;
    }
    return e;
}

/* It has committed; this part's primary was lost before it heard of it. Should it take longer than
 * anybody waits, the next one will ask (resolve_doubts). */
static struct error *decide_again(struct exec_session *s, struct part *p,
                                  const struct store_request *q)
{
    uint64_t deadline = clock_ms() + s->exec->settings.retry_ms;
    unsigned tries = 0;
    struct error *e = p->error;
    p->error = NULL;
    while (e) {
        atomic_store(&s->cancel, false);
        if (exec__is_retryable(e))
            e = exec__wait_retry(s, p->region, deadline, &tries, e);
        if (e && !error_is(e, E_CANCELED))
            return unknown("the transaction committed, but not all of its changes show yet",
                           "They do as soon as the region can be reached.", e);
        error_free(e);
        e = decide(s, p->region, q, true, deadline);
    }
    return NULL;
}

static struct error *decided(struct exec_session *s, struct part *parts, int n,
                             const struct store_request *q)
{
    struct error *e = NULL;
    decide_all(s, parts, n, q, true);
    for (int i = 0; i < n; i++) {
        if (!parts[i].error)
            continue;
        struct error *late = decide_again(s, &parts[i], q);
        if (e)
            error_free(late);
        else
            e = late;
    }
    return e;
}

static struct error *undone(struct exec_session *s, struct part *parts, int n,
                            const struct store_request *q, struct error *e)
{
    decide_all(s, parts, n, q, false); /* who does not hear of it asks */
    error_free(first_error(parts, n));
    return exec__is_retryable(e) ? exec__tell_lost(e) : e;
}

static struct error *commit_parts(struct exec_session *s, struct part *parts, int n,
                                  const struct store_request *q)
{
    uint64_t participants[EXEC_MAX_HELD];
    int n_prepared = 0;
    prepare_all(s, parts, n);
    for (int i = 0; i < n; i++)
        if (parts[i].prepared)
            participants[n_prepared++] = parts[i].region;
    struct error *e = first_error(parts, n);
    if (e) {
        exec__drop_held(s);
        return undone(s, parts, n, q, e);
    }
    e = commit_first(s, q, participants, n_prepared);
    if (!e)
        return decided(s, parts, n, q);
    return error_is(e, "08007") ? e : undone(s, parts, n, q, e);
}

struct error *exec__commit_held(struct exec_session *s, const struct store_request *q)
{
    struct part parts[EXEC_MAX_HELD];
    if (s->n_held > 1)
        let_go(s);
    int n = s->n_held - 1;
    if (!n)
        return commit_first(s, q, NULL, 0);
    struct error *e = exec__draft_prepare(s, q);
    if (e) {
        exec__drop_held(s);
        exec__draft_undone(s);
        return exec__is_retryable(e) ? exec__tell_lost(e) : e;
    }
    e = commit_parts(s, parts, n, q);
    if (e)
        exec__draft_undone(s);
    for (int i = 0; i < n; i++)
        if (parts[i].conn)
            exec__peer_put(parts[i].conn);
    return e;
}

/* ---- doubts ---------------------------------------------------------------------------------- */

static struct error *ask_outcome(struct exec_session *s, const struct region_doubt *d, bool end,
                                 enum region_outcome *ret)
{
    const struct store_request *q = &d->request;
    if (is_here(s, d->decider))
        return region_outcome(s->exec->regions, d->decider, q, end, ret);
    char text[120], tag[64] = "";
    int outcome;
    snprintf(text, sizeof(text), "OUTCOME %llu %llu %u %llu %d", (unsigned long long)d->decider,
             (unsigned long long)q->gateway, q->slot, (unsigned long long)q->seq, end);
    TRY(ask(s, d->decider, s->patience, text, tag));
    if (sscanf(tag, "OUTCOME %d", &outcome) != 1 || outcome < OUTCOME_OPEN ||
        outcome > OUTCOME_NONE)
        return error_new(E_PROTOCOL, "malformed answer about a transaction");
    *ret = (enum region_outcome)outcome;
    return NULL;
}

/* A region that was dropped decides nothing any more; nobody was told that the transaction had
 * committed, for that waits for all. */
static bool is_gone(struct exec *e, uint64_t region)
{
    struct error *away = catalog_refresh(e->catalog, PATIENCE_MS);
    const struct catalog_view *v = catalog_view(e->catalog);
    bool gone = !away && !catalog_region(v, region);
    error_free(away);
    catalog_unref(v);
    return gone;
}

static struct error *resolve_doubt(struct exec_session *s, const struct region_doubt *d)
{
    uint64_t age = clock_ms() - d->since;
    enum region_outcome outcome = OUTCOME_OPEN;
    if (age < SILENT_MS && !d->adopted)
        return NULL;
    s->patience = clock_ms() + PATIENCE_MS;
    struct error *e = ask_outcome(s, d, age >= FROZEN_MS, &outcome);
    if (error_is(e, E_STALE_SCHEMA) && is_gone(s->exec, d->decider)) {
        error_free(e);
        e = NULL;
        outcome = OUTCOME_NONE;
    }
    if (e || outcome == OUTCOME_OPEN)
        return e;
    log_info("region=%llu: a prepared transaction is %s, as region %llu says",
             (unsigned long long)d->region, outcome == OUTCOME_NONE ? "undone" : "committed",
             (unsigned long long)d->decider);
    return region_decide(s->exec->regions, d->region, &d->request, outcome == OUTCOME_COMMITTED);
}

static void resolve_doubts(struct exec_session *s)
{
    struct region_doubt doubts[DOUBTS_MAX];
    size_t n = regions_in_doubt(s->exec->regions, doubts, DOUBTS_MAX);
    uint64_t silent =
        0; /* the decider that did not answer: others that wait for it are not held up */
    for (size_t i = 0; i < n; i++) {
        if (doubts[i].decider == silent)
            continue;
        struct error *e = resolve_doubt(s, &doubts[i]);
        if (e)
            silent = doubts[i].decider;
        if (e)
            log_failure(LOG_DEBUG, e, "region=%llu: a prepared transaction waits",
                        (unsigned long long)doubts[i].region);
        error_free(e);
    }
}

/* ---- decisions ------------------------------------------------------------------------------- */

/* What waits there for a decision now; *ret_known false: nobody can tell. */
static void ask_prepared(struct exec_session *s, uint64_t region, struct region_doubt *ret,
                         bool *ret_known)
{
    char text[40], tag[64] = "";
    unsigned long long gateway = 0, seq = 0;
    struct error *e;
    s->patience = clock_ms() + PATIENCE_MS;
    if (is_here(s, region)) {
        e = region_in_doubt(s->exec->regions, region, ret);
    } else {
        snprintf(text, sizeof(text), "PREPARED %llu", (unsigned long long)region);
        e = ask(s, region, s->patience, text, tag);
        if (!e && sscanf(tag, "PREPARED %llu %llu", &gateway, &seq) != 2)
            e = error_new(E_PROTOCOL, "malformed answer about a region");
        ret->request = (struct store_request){.gateway = gateway, .seq = seq};
    }
    *ret_known = !e || (error_is(e, E_STALE_SCHEMA) && is_gone(s->exec, region));
    error_free(e);
}

struct participant {
    uint64_t region;
    struct region_doubt doubt;
    bool known;
};

/* A region has one prepared transaction at a time: any other that was decided before the question
 * is over there. */
static const struct participant *participant(struct exec_session *s, struct map *asked,
                                             struct arena *a, uint64_t region)
{
    struct participant *p = map_get_u64(asked, region);
    if (p)
        return p;
    p = ARENA_NEW(a, struct participant);
    *p = (struct participant){.region = region};
    ask_prepared(s, region, &p->doubt, &p->known);
    map_put_u64(asked, region, p);
    return p;
}

static bool all_have_heard(struct exec_session *s, struct map *asked, struct arena *a,
                           const struct store_decision *d)
{
    for (size_t i = 0; i < d->n_participants; i++) {
        const struct participant *p = participant(s, asked, a, d->participants[i]);
        const struct store_request *q = &p->doubt.request;
        if (!p->known || (q->gateway == d->gateway && q->seq == d->seq))
            return false;
    }
    return true;
}

static struct error *forget_in(struct exec_session *s, struct map *asked, struct arena *a,
                               uint64_t region)
{
    struct store_decision *d;
    size_t n, n_over = 0;
    TRY(region_get_decisions(s->exec->regions, region, DECISIONS_MAX, a, &d, &n));
    for (size_t i = 0; i < n; i++)
        if (all_have_heard(s, asked, a, &d[i]))
            d[n_over++] = d[i];
    return n_over ? region_forget_decisions(s->exec->regions, region, d, n_over) : NULL;
}

static void forget_decisions(struct exec_session *s)
{
    uint64_t regions[DOUBTS_MAX];
    size_t n = regions_deciding(s->exec->regions, regions, DOUBTS_MAX);
    for (size_t i = 0; i < n; i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct map asked = {0}; /* anew for each: what it is asked about must be older */
        struct error *e = forget_in(s, &asked, &a, regions[i]);
        map_done(&asked);
        if (e)
            log_failure(LOG_DEBUG, e, "region=%llu: decisions are kept",
                        (unsigned long long)regions[i]);
        error_free(e);
    }
}

void exec__look_after_spans(struct exec_session *s, uint64_t *forgot_at)
{
    if (!s->exec->regions)
        return;
    resolve_doubts(s);
    if (clock_ms() - *forgot_at < FORGET_MS)
        return;
    forget_decisions(s);
    *forgot_at = clock_ms();
}
