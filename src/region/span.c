/*
 * A region's part in a transaction over several regions: two-phase commit, in which one of them
 * decides and the others are its participants.
 *
 *   participant   held --region_txn_prepare--> prepared --region_decide--> committed | undone
 *   decider       held --region_txn_decide---> committed, and remembers the participants
 *
 * A prepared transaction is all in the participant's log, in parts that a PREPARE entry ends, and
 * nowhere else: the file holds it as an open SQLite transaction, at a backup as at the primary, so
 * that snapshots, learners and restarts know nothing of it but what the log says behind the file's
 * end. It keeps the writer, and belongs to no session: who comes to know the decision ends it
 * (region_decide). That is the gateway, or, when the gateway is silent, somebody who asks the
 * decider (region_outcome): see exec/span.c.
 *
 * Invariants:
 *  1. A participant is prepared only while the decider's writer is held for the same transaction.
 *     So at a decider where another owns the writer and no decision is found, there is none and
 *     never will be: "no" is as final as "yes".
 *  2. What was decided is remembered until all participants are known to have heard of it
 *     (region_forget_decisions): requests are forgotten sooner.
 *  3. A primary that finds a prepared transaction in its log adopts it (region__adopt_prepared); it
 *     never undoes it by itself.
 *  4. Nobody begins to read at a participant while it is prepared: whoever has seen the decision
 *     elsewhere, sees its effect here.
 */
#include "region/region_int.h"

enum { FORGET_WAIT_MS = 300 };

/* ---- which regions have something open ------------------------------------------------------- */

static void note(struct regions *rs, struct map *m, uint64_t region, bool any)
{
    pthread_mutex_lock(&rs->doubt_mutex);
    if (any)
        map_put_u64(m, region, (void *)(uintptr_t)region);
    else
        map_remove_u64(m, region);
    atomic_store(&rs->n_in_doubt, rs->in_doubt.len);
    pthread_mutex_unlock(&rs->doubt_mutex);
}

void region__note_decisions(struct region_replica *p)
{
    note(p->rs, &p->rs->deciding, p->id, true);
}

static size_t list(struct regions *rs, const struct map *m, uint64_t *ret, size_t max)
{
    size_t n = 0;
    void *region;
    pthread_mutex_lock(&rs->doubt_mutex);
    for (size_t i = 0; n < max && map_next(m, &i, &region);)
        ret[n++] = (uintptr_t)region;
    pthread_mutex_unlock(&rs->doubt_mutex);
    return n;
}

size_t regions_deciding(struct regions *rs, uint64_t *ret, size_t max)
{
    return list(rs, &rs->deciding, ret, max);
}

static bool doubt_of(struct region_replica *p, struct region_doubt *ret)
{
    pthread_mutex_lock(&p->queue.mutex);
    const struct region_txn *t = p->queue.txn;
    bool any = t && t->prepared;
    if (any)
        *ret = t->doubt;
    pthread_mutex_unlock(&p->queue.mutex);
    return any;
}

size_t regions_in_doubt(struct regions *rs, struct region_doubt *ret, size_t max)
{
    if (!atomic_load(&rs->n_in_doubt))
        return 0;
    _cleanup_(mem_freep) uint64_t *ids = mem_alloc(max * sizeof(*ids));
    size_t found = list(rs, &rs->in_doubt, ids, max), n = 0;
    for (size_t i = 0; i < found; i++) {
        struct region_replica *p = region__get(rs, ids[i]);
        n += p && doubt_of(p, &ret[n]);
        region__put(p);
    }
    return n;
}

struct error *region_in_doubt(struct regions *rs, uint64_t region, struct region_doubt *ret)
{
    struct region_replica *p = NULL;
    *ret = (struct region_doubt){0};
    TRY(region__find(rs, region, &p));
    struct error *e = region__await_ready(p, 0, 1000);
    if (!e)
        doubt_of(p, ret);
    region__put(p);
    return e;
}

/* ---- prepared -------------------------------------------------------------------------------- */

/* From here on it is the replica's own. */
static void stand_by(struct region_txn *t)
{
    struct region_replica *p = t->replica;
    note(p->rs, &p->rs->in_doubt, p->id, true);
    pthread_mutex_lock(&p->queue.mutex);
    t->prepared = true;
    t->entered = false;
    p->queue.txn = t;
    p->queue.owner = (struct region_owner){0}; /* it waits for nobody */
    atomic_fetch_add(&p->prepared, 1);
    pthread_mutex_unlock(&p->queue.mutex);
}

void region__prepared_ends(struct region_replica *p)
{
    note(p->rs, &p->rs->in_doubt, p->id, false);
    region__lock(p->rs);
    atomic_fetch_add(&p->decided, 1);
    pthread_cond_broadcast(&p->changed);
    region__unlock(p->rs);
}

static struct error *prepare(struct region_txn *t, uint64_t decider, bool *ret)
{
    struct region_replica *p = t->replica;
    struct error *e = region__txn_check(t);
    if (!e && store_has_violations(p->store))
        e = error_new(E_FOREIGN_KEY, "a foreign key constraint is violated");
    *ret = t->last || store_changes_size(p->store);
    if (e || !*ret) {
        region__txn_abort(t);
        return e;
    }
    const struct store_request request = p->queue.owner.request;
    t->doubt = (struct region_doubt){
        .region = p->id, .decider = decider, .request = request, .since = clock_ms()};
    struct payload payload = {
        .kind = PAYLOAD_PREPARE, .has_request = true, .request = request, .decider = decider};
    e = region__txn_log(t, &payload);
    if (!e) {
        stand_by(t);
        return NULL;
    }
    store_rollback(p->store);
    region__txn_unknown(t);
    region__txn_free(t);
    return e;
}

struct error *region_txn_prepare(struct region_txn *t, uint64_t decider, bool *ret)
{
    struct region_replica *p = t->replica;
    *ret = false;
    if (region__txn_retake(t))
        return prepare(t, decider, ret);
    struct error *lost = region__not_primary(p);
    region__txn_free(t);
    return lost;
}

void region__adopt_prepared(struct region_replica *p, uint64_t reign)
{
    struct region_txn *t = NEW(struct region_txn);
    t->replica = p;
    t->reign = reign;
    t->doubt = p->doubt;
    t->doubt.since = clock_ms();
    t->doubt.adopted = true;
    atomic_fetch_add(&p->refs, 1);
    region__lock(p->rs);
    t->last = p->apply_next - 1;
    t->epoch = p->epoch;
    p->in_flight = true;
    region__unlock(p->rs);
    p->parts_open = false;
    p->doubt = (struct region_doubt){0};
    log_info("region=%llu: waits for region %llu to decide about a transaction",
             (unsigned long long)p->id, (unsigned long long)t->doubt.decider);
    stand_by(t);
}

struct error *region__await_decision(struct region_replica *p, unsigned wait_ms)
{
    uint64_t prepared = atomic_load(&p->prepared);
    if (atomic_load(&p->decided) >= prepared || REPL_MUTATION(read_before_decision))
        return NULL;
    uint64_t deadline = clock_ms() + wait_ms;
    region__lock(p->rs);
    while (atomic_load(&p->decided) < prepared && clock_ms() < deadline)
        region__wait_changed(p, deadline - clock_ms());
    region__unlock(p->rs);
    if (atomic_load(&p->decided) >= prepared)
        return NULL;
    return error_new(E_NOT_PRIMARY,
                     "region %llu waits for the decision about a transaction over several regions",
                     (unsigned long long)p->id);
}

/* ---- the end of it --------------------------------------------------------------------------- */

/* Whose it is from now on; NULL: it is over, or somebody else's. */
static struct region_txn *take_prepared(struct region_replica *p,
                                        const struct store_request *request)
{
    pthread_mutex_lock(&p->queue.mutex);
    struct region_txn *t = p->queue.txn;
    if (t && (!t->prepared || t->doubt.request.gateway != request->gateway ||
              t->doubt.request.seq != request->seq))
        t = NULL;
    if (t)
        p->queue.txn = NULL;
    pthread_mutex_unlock(&p->queue.mutex);
    return t;
}

static struct error *commit(struct region_txn *t)
{
    struct region_replica *p = t->replica;
    struct error *e = region__txn_check(t);
    if (!e)
        e = region__txn_log(t, &(struct payload){.kind = PAYLOAD_WRITE});
    if (!e)
        return region__commit_file(p, t->last, t->epoch);
    store_rollback(p->store);
    region__txn_unknown(t);
    return e;
}

struct error *region_decide(struct regions *rs, uint64_t region,
                            const struct store_request *request, bool commits)
{
    struct region_replica *p = NULL;
    TRY(region__find(rs, region, &p));
    struct error *e = region__await_ready(p, 0, 1000);
    struct region_txn *t = e ? NULL : take_prepared(p, request);
    if (t && commits) {
        e = commit(t);
        region__txn_free(t);
    } else if (t) {
        region__txn_abort(t);
    }
    if (t) {
        region__prepared_ends(p);
        region__want_work(p); /* the schema may have gone on meanwhile */
    }
    region__put(p);
    return e;
}

/* ---- the region that decides ------------------------------------------------------------------
 */

static struct error *look_up(struct region_replica *p, const struct store_request *request,
                             bool *ret)
{
    struct region_read read = {.replica = p};
    if (!region__enter_store(p))
        return region__not_primary(p);
    struct error *e = store_get_reader(p->store, &read.conn);
    if (!e)
        e = store_reader_decision(read.conn, request, ret);
    e = region_read_check(&read, e);
    if (read.conn)
        store_put_reader(p->store, read.conn);
    region__leave_store(p);
    return e;
}

/* In this order: what was under way and is not, has left what there is to be found. */
static struct error *outcome(struct region_replica *p, const struct store_request *request,
                             bool end, enum region_outcome *ret)
{
    bool found = false;
    TRY(region__await_ready(p, 0, 1000));
    region__touch(p);
    if (end)
        region__end_idle(p, request);
    bool open = region__is_under_way(p, request) && !REPL_MUTATION(open_is_undone);
    TRY(look_up(p, request, &found));
    *ret = found ? OUTCOME_COMMITTED : open ? OUTCOME_OPEN : OUTCOME_NONE;
    return NULL;
}

struct error *region_outcome(struct regions *rs, uint64_t region,
                             const struct store_request *request, bool end,
                             enum region_outcome *ret)
{
    struct region_replica *p = NULL;
    TRY(region__find(rs, region, &p));
    struct error *e = outcome(p, request, end, ret);
    region__put(p);
    return e;
}

/* ---- what was decided -------------------------------------------------------------------------
 */

static struct error *read_decisions(struct region_replica *p, size_t most, struct arena *a,
                                    struct store_decision **ret, size_t *ret_n)
{
    struct store_conn *c;
    if (!region__enter_store(p))
        return region__not_primary(p);
    region__touch(p);
    struct error *e = store_get_reader(p->store, &c);
    if (!e) {
        e = store_decisions(c, most, a, ret, ret_n);
        store_put_reader(p->store, c);
    }
    region__leave_store(p);
    return e;
}

void region__look_for_decisions(struct region_replica *p)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct store_decision *decisions;
    size_t n = 0;
    struct error *e = read_decisions(p, 1, &a, &decisions, &n);
    if (e || n)
        region__note_decisions(p);
    error_free(e);
}

struct error *region_get_decisions(struct regions *rs, uint64_t region, size_t most,
                                   struct arena *a, struct store_decision **ret, size_t *ret_n)
{
    struct region_replica *p = NULL;
    *ret_n = 0;
    note(rs, &rs->deciding, region, false); /* before the look: whoever decides now notes it anew */
    TRY(region__find(rs, region, &p));
    struct error *e = region__await_ready(p, 0, 0);
    if (!e)
        e = read_decisions(p, most, a, ret, ret_n);
    if (!e && *ret_n)
        region__note_decisions(p);
    region__put(p);
    return e;
}

struct error *region_forget_decisions(struct regions *rs, uint64_t region,
                                      const struct store_decision *decisions, size_t n)
{
    struct region_replica *p = NULL;
    _cleanup_(buf_done) struct buf sql = {0};
    store_forget_decisions(decisions, n, &sql);
    TRY(region__find(rs, region, &p));
    struct error *e = NULL;
    if (!region__own_within(p, FORGET_WAIT_MS)) {
        e = error_new("55006", "region %llu is being written to", (unsigned long long)region);
    } else {
        e = atomic_load(&p->ready) ? region__run_ddl(p, sql.data, atomic_load(&p->file_schema))
                                   : region__not_primary(p);
        region__disown(p);
    }
    region__put(p);
    return e;
}
