/*
 * Writing at the primary.
 *
 * A region's file has one writer connection and so one owner at a time; who wants it, queues (first
 * come, first served). Autocommit writes that queue one behind the other are a batch: the first one
 * leads, runs all of them in one SQLite transaction, logs an entry for each, waits until the
 * entries are on disk here and at all backups, commits the file, and wakes the others with their
 * answers. So the cost of a commit is shared by all who wait for one, without a thread of its own,
 * and a lone writer pays for no handoff.
 *
 * Invariants:
 *  1. The file commits only what the core has committed (region__replicate returns).
 *  2. Nobody is answered before that commit. When the primary loses its place meanwhile, the SQLite
 * transaction is rolled back, the answer is MS001 ("unknown"), and if the entries do commit, a
 * worker applies them from the log.
 *  3. While in_flight, workers leave entries above `applied` alone: the owner commits them itself.
 */
#include "region/region_int.h"

#include <errno.h>
#include <sched.h>
#include <time.h>

enum {
    MAX_BATCH = 256,
    PART_BYTES = 512 * 1024,
    CANCEL_POLL_MS = 20,
    GATHER_US = 100,
    TRANSFER_PATIENCE_MS = 2000
};

/* ---- owning the writer ---------------------------------------------------------------------- */

/* mutex held */
static void append(struct writer_queue *q, struct waiter *w)
{
    *q->tail = w;
    q->tail = &w->next;
    q->waiting++;
}

/* True: the caller owns the writer at once. Else it is queued. */
static bool enqueue(struct region_replica *p, struct waiter *w)
{
    pthread_mutex_lock(&p->queue.mutex);
    bool free = !p->queue.busy;
    if (free) {
        p->queue.busy = true;
    } else {
        append(&p->queue, w);
    }
    pthread_mutex_unlock(&p->queue.mutex);
    return free;
}

/* Leaves the queue; false: it was taken off already (its wake-up is on the way). */
static bool leave(struct region_replica *p, struct waiter *w)
{
    bool found = false;
    pthread_mutex_lock(&p->queue.mutex);
    for (struct waiter **at = &p->queue.head; *at; at = &(*at)->next) {
        if (*at == w) {
            *at = w->next;
            p->queue.waiting--;
            if (!*at)
                p->queue.tail = at;
            found = true;
            break;
        }
    }
    pthread_mutex_unlock(&p->queue.mutex);
    return found;
}

static struct timespec from_now(unsigned ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += (long)ms * 1000000L;
    t.tv_sec += t.tv_nsec / 1000000000L;
    t.tv_nsec %= 1000000000L;
    return t;
}

static bool is_held(struct region_replica *p)
{
    pthread_mutex_lock(&p->queue.mutex);
    bool held = p->queue.txn != NULL;
    pthread_mutex_unlock(&p->queue.mutex);
    return held;
}

/* Why to wait no more; NULL: to wait. */
static struct error *enough(struct region_replica *p, const struct region_patience *patience,
                            uint64_t waited_ms)
{
    if (patience->cancel && atomic_load(patience->cancel))
        return error_new(E_CANCELED, "canceling statement due to user request");
    if (patience->nowait && is_held(p))
        return error_new(E_LOCK_NOT_AVAILABLE, "could not obtain lock");
    if (patience->timeout_ms && waited_ms >= patience->timeout_ms)
        return error_new(E_LOCK_NOT_AVAILABLE, "canceling statement due to lock timeout");
    return NULL;
}

/* Waits to be woken; an error: enough of it, and no longer in the queue. */
static struct error *await(struct region_replica *p, struct waiter *w,
                           const struct region_patience *patience)
{
    uint64_t began = clock_ms(), waited = 0;
    while (!patience->cancel && !patience->timeout_ms && !patience->nowait)
        if (sem_wait(&w->woken) == 0)
            return NULL;
    for (;;) {
        struct error *e = enough(p, patience, waited);
        if (e && leave(p, w))
            return e;
        error_free(e);
        uint64_t slice = patience->nowait ? 1 : CANCEL_POLL_MS;
        if (patience->timeout_ms > waited)
            slice = MIN(slice, patience->timeout_ms - waited);
        struct timespec until = from_now((unsigned)slice);
        if (sem_clockwait(&w->woken, CLOCK_MONOTONIC, &until) == 0)
            return NULL;
        waited = clock_ms() - began;
    }
}

static struct error *own(struct region_replica *p, const struct region_patience *patience)
{
    struct waiter w = {.kind = WAIT_OWNER};
    sem_init(&w.woken, 0, 0);
    struct error *e = enqueue(p, &w) ? NULL : await(p, &w, patience);
    sem_destroy(&w.woken);
    return e;
}

struct error *region__own(struct region_replica *p, const _Atomic bool *cancel)
{
    return own(p, &(struct region_patience){.cancel = cancel});
}

bool region__own_within(struct region_replica *p, unsigned ms)
{
    struct error *e = own(p, &(struct region_patience){.timeout_ms = MAX(ms, 1)});
    error_free(e);
    return !e;
}

bool region__try_own(struct region_replica *p)
{
    pthread_mutex_lock(&p->queue.mutex);
    bool free = !p->queue.busy;
    p->queue.busy = true;
    pthread_mutex_unlock(&p->queue.mutex);
    return free;
}

/* Who is next in the queue, off it; NULL: nobody, and the writer is free. */
static struct waiter *next_owner(struct region_replica *p)
{
    pthread_mutex_lock(&p->queue.mutex);
    struct waiter *next = p->queue.head;
    if (next) {
        p->queue.head = next->next;
        p->queue.waiting--;
        if (!p->queue.head)
            p->queue.tail = &p->queue.head;
        next->next = NULL;
        next->leads = true;
    } else {
        p->queue.busy = false;
    }
    pthread_mutex_unlock(&p->queue.mutex);
    return next;
}

bool region__own_for_work(struct region_replica *p)
{
    struct writer_queue *q = &p->queue;
    pthread_mutex_lock(&q->mutex);
    bool owns = q->work_granted || !q->busy;
    q->busy = true;
    q->work_granted = false;
    if (!owns && !q->work_queued) {
        q->work_queued = true;
        q->work = (struct waiter){.kind = WAIT_WORK};
        append(q, &q->work);
    }
    pthread_mutex_unlock(&q->mutex);
    return owns;
}

/* The writer stays busy: it is the worker's. */
static void hand_to_worker(struct region_replica *p)
{
    pthread_mutex_lock(&p->queue.mutex);
    p->queue.work_queued = false;
    p->queue.work_granted = true;
    pthread_mutex_unlock(&p->queue.mutex);
    region__want_work(p);
}

static void ask_for_transfer(struct region_replica *p)
{
    pthread_mutex_lock(&p->queue.mutex);
    repl_node to = p->queue.transfer_to;
    p->queue.transfer_queued = false;
    pthread_mutex_unlock(&p->queue.mutex);
    region__lock(p->rs);
    if (!p->gone) /* refused: whoever wants it looks at the config and asks again */
        error_free(repl_change(p->rs->core, clock_ms(), p->core, REPL_TRANSFER, to));
    region__unlock(p->rs);
}

void region__disown(struct region_replica *p)
{
    struct waiter *next = next_owner(p);
    while (next && next->kind == WAIT_TRANSFER) {
        ask_for_transfer(p);
        next = next_owner(p);
    }
    if (next && next->kind == WAIT_WORK)
        hand_to_worker(p);
    else if (next)
        sem_post(&next->woken);
}

void region__transfer(struct region_replica *p, repl_node to, bool now)
{
    pthread_mutex_lock(&p->queue.mutex);
    bool queued = p->queue.transfer_queued;
    p->queue.transfer_to = to;
    if (!queued) {
        p->queue.transfer_queued = true;
        p->queue.transfer_since = clock_ms();
        p->queue.transfer = (struct waiter){.kind = WAIT_TRANSFER};
    }
    pthread_mutex_unlock(&p->queue.mutex);
    if (queued ? now && leave(p, &p->queue.transfer) : now) {
        ask_for_transfer(p);
    } else if (!queued && enqueue(p, &p->queue.transfer)) {
        ask_for_transfer(p);
        region__disown(p);
    }
}

void region__hurry(struct region_replica *p)
{
    pthread_mutex_lock(&p->queue.mutex);
    bool overdue =
        p->queue.transfer_queued && clock_ms() > p->queue.transfer_since + TRANSFER_PATIENCE_MS;
    pthread_mutex_unlock(&p->queue.mutex);
    if (overdue && leave(p, &p->queue.transfer))
        ask_for_transfer(p);
}

/* The writes that queue directly behind the leader's; *ret_n of them. */
static size_t take_batch(struct region_replica *p, struct waiter **batch, size_t max)
{
    size_t n = 0;
    pthread_mutex_lock(&p->queue.mutex);
    while (n < max && p->queue.head && p->queue.head->kind == WAIT_WRITE) {
        batch[n++] = p->queue.head;
        p->queue.head = p->queue.head->next;
        p->queue.waiting--;
    }
    if (!p->queue.head)
        p->queue.tail = &p->queue.head;
    pthread_mutex_unlock(&p->queue.mutex);
    return n;
}

/* ---- replicating ----------------------------------------------------------------------------- */

struct error *region__replicate(struct region_replica *p, const struct repl_entry *entries,
                                size_t n, uint64_t *ret_last, uint64_t *ret_epoch)
{
    struct regions *rs = p->rs;
    uint64_t first = 0;
    region__lock(rs);
    struct error *e = repl_append(rs->core, clock_ms(), p->core, entries, n, &first);
    uint64_t epoch = p->epoch, last = first + n - 1, reign = p->reign;
    if (!e)
        p->in_flight = true;
    region__unlock(rs);
    if (e)
        return e;
    region__sync_log(rs);
    region__lock(rs);
    bool waits = p->committed < last;
    region__unlock(rs);
    if (waits) /* for the backups, which have their disks to wait for, too */
        store_flush(p->store);
    region__lock(rs);
    bool enough = REPL_MUTATION(answer_before_backups);
    while (p->committed < last && p->reign == reign && !p->failed && !enough)
        pthread_cond_wait(&p->changed, &rs->core_mutex);
    if ((p->committed < last && !enough) || p->reign != reign)
        e = region__not_primary(p);
    region__unlock(rs);
    *ret_last = last;
    *ret_epoch = epoch;
    return e;
}

/* The owner is done with its entries, well or badly: what is committed and not applied is a
 * worker's. */
static void landed(struct region_replica *p, uint64_t applied, uint64_t epoch)
{
    region__lock(p->rs);
    p->in_flight = false;
    if (applied > p->applied) {
        p->applied = applied;
        p->applied_epoch = epoch;
    }
    bool behind = p->committed > p->applied;
    pthread_cond_broadcast(&p->changed);
    region__unlock(p->rs);
    if (behind)
        region__want_work(p);
}

/* Commits the open SQLite transaction whose entries end at `last`. When the file fails now, the
 * write is committed all the same (the log has it): somebody else serves it, and the retry finds
 * its request there. */
struct error *region__commit_file(struct region_replica *p, uint64_t last, uint64_t epoch)
{
    struct error *e = store_commit(p->store, last, epoch);
    if (e) {
        store_rollback(p->store);
        region__fail(p, e);
        error_free(e);
        landed(p, 0, 0);
        return region__not_primary(p);
    }
    region__see_schema(p);
    landed(p, last, epoch);
    return NULL;
}

/* ---- entries ----------------------------------------------------------------------------------
 */

/* Entries being put together: their bytes in one buffer, their ends beside it. */
struct entries {
    struct buf bytes, ends;
};

static size_t entries_count(const struct entries *es)
{
    return es->ends.len / sizeof(size_t);
}

static void add_entry(struct entries *es, const struct payload *payload)
{
    payload_encode(payload, &es->bytes);
    buf_append(&es->ends, &es->bytes.len, sizeof(es->bytes.len));
}

/* Adds a WRITE or PART with what the store captured, in fragments where it is large. */
static void add_changes(struct entries *es, struct store *store, struct payload *payload)
{
    store_changes(store, &payload->body, &payload->body_len);
    while (payload->body_len > PART_BYTES) {
        add_entry(es, &(struct payload){
                          .kind = PAYLOAD_FRAGMENT, .body = payload->body, .body_len = PART_BYTES});
        payload->body += PART_BYTES;
        payload->body_len -= PART_BYTES;
    }
    add_entry(es, payload);
}

static struct error *replicate(struct region_replica *p, const struct entries *es,
                               uint64_t *ret_last, uint64_t *ret_epoch)
{
    size_t n = entries_count(es), start = 0;
    const size_t *ends = (const size_t *)(const void *)es->ends.data;
    _cleanup_(mem_freep) struct repl_entry *list = mem_zalloc(n * sizeof(*list));
    for (size_t i = 0; i < n; i++) {
        list[i].data = es->bytes.data + start;
        list[i].len = (uint32_t)(ends[i] - start);
        start = ends[i];
    }
    return region__replicate(p, list, n, ret_last, ret_epoch);
}

static void entries_done(struct entries *es)
{
    buf_done(&es->bytes);
    buf_done(&es->ends);
}

/* ---- autocommit writes ------------------------------------------------------------------------
 */

struct batch {
    struct waiter *waiters[MAX_BATCH];
    size_t n;
    struct entries entries;
    struct arena arena;
};

static struct error *answer_from_request(struct region_replica *p, struct batch *b,
                                         struct region_write *w, bool *ret_found)
{
    const char *result = NULL;
    size_t len = 0;
    TRY(store_find_request(p->store, &w->request, &b->arena, ret_found, &result, &len));
    if (*ret_found)
        buf_append(&w->result, result, len);
    return NULL;
}

/* What is logged has to commit. Who runs statements tells of violations better, and before. */
static struct error *check_foreign_keys(struct store *s)
{
    return store_has_violations(s)
               ? error_new(E_FOREIGN_KEY, "a foreign key constraint is violated")
               : NULL;
}

/* Runs one statement inside a savepoint of the open transaction and adds its entry. An error that
 * is the statement's own goes to its waiter; what is returned concerns the whole batch. */
static struct error *run_one(struct region_replica *p, struct batch *b, struct waiter *waiter)
{
    struct region_write *w = waiter->write;
    bool known = w->request.gateway != 0, found = false;
    if (known && !REPL_MUTATION(no_request_check))
        TRY(answer_from_request(p, b, w, &found));
    if (found)
        return NULL;
    if (atomic_load(&p->file_schema) > w->schema_version) {
        waiter->error = error_new(E_STALE_SCHEMA, "the schema has changed");
        return NULL;
    }
    TRY(store_mark(p->store));
    struct error *e = w->run(w->ctx, p->store, &w->result);
    if (!e)
        e = check_foreign_keys(p->store);
    if (!e && known)
        e = store_put_request(p->store, &w->request, w->result.data, w->result.len);
    if (e) {
        buf_clear(&w->result);
        if (region__is_disk_error(e))
            return e;
        waiter->error = e;
        return store_ended(p->store) ? NULL : store_rollback_to(p->store);
    }
    TRY(store_release_mark(p->store));
    struct payload payload = {.kind = PAYLOAD_WRITE,
                              .has_request = known,
                              .request = w->request,
                              .result = w->result.data,
                              .result_len = (uint32_t)w->result.len};
    add_changes(&b->entries, p->store, &payload);
    return NULL;
}

static struct error *run_all(struct region_replica *p, struct batch *b)
{
    buf_clear(&b->entries.bytes);
    buf_clear(&b->entries.ends);
    TRY(store_begin(p->store));
    for (size_t i = 0; i < b->n; i++) {
        if (b->waiters[i]->error)
            continue; /* it failed in an earlier attempt */
        buf_clear(&b->waiters[i]->write->result);
        TRY(run_one(p, b, b->waiters[i]));
        if (store_ended(p->store))
            return NULL;
    }
    return NULL;
}

static struct error *run_batch(struct region_replica *p, struct batch *b)
{
    struct error *e = run_all(p, b);
    while (!e && store_ended(p->store)) {
        /* A statement was cancelled, and SQLite undid all of the transaction: again without it. */
        store_rollback(p->store);
        e = run_all(p, b);
    }
    if (e) {
        store_rollback(p->store);
        return region__is_disk_error(e) ? region__give_up(p, e) : e;
    }
    if (!entries_count(&b->entries)) {
        store_rollback(p->store);
        return NULL;
    }
    for (size_t i = 0; i < b->n; i++)
        b->waiters[i]->write->logged = true;
    uint64_t last = 0, epoch = 0;
    e = replicate(p, &b->entries, &last, &epoch);
    if (e) {
        store_rollback(p->store);
        landed(p, 0, 0);
        return e;
    }
    return region__commit_file(p, last, epoch);
}

/* Who was answered with the last batch is about to write again: a commit that starts without them
 * makes them wait for a whole one more. So the leader lets them come, for a fraction of what a
 * commit takes. */
static void gather(struct region_replica *p)
{
    uint64_t until = 0;
    for (;;) {
        pthread_mutex_lock(&p->queue.mutex);
        bool enough = p->queue.waiting + 1 >= p->queue.last_batch;
        pthread_mutex_unlock(&p->queue.mutex);
        if (enough)
            return;
        uint64_t now = clock_us();
        if (!until)
            until = now + GATHER_US;
        if (now >= until)
            return;
        sched_yield();
    }
}

/* Leads a batch: the caller's write, which owns the writer, and those that queue behind it. */
static void lead(struct region_replica *p, struct waiter *own)
{
    struct batch b = {.waiters = {own}, .n = 1};
    gather(p);
    b.n += take_batch(p, b.waiters + 1, MAX_BATCH - 1);
    p->queue.last_batch = b.n; /* its owner alone writes it */
    struct error *e = atomic_load(&p->ready) ? run_batch(p, &b) : region__not_primary(p);
    region__disown(p);
    for (size_t i = 0; i < b.n; i++) {
        struct waiter *w = b.waiters[i];
        if (e) { /* nothing of the batch may count as answered */
            error_free(w->error);
            w->error = error_copy(e);
            buf_clear(&w->write->result);
        }
        if (w != own)
            sem_post(&w->woken); /* w is gone from here on */
    }
    error_free(e);
    entries_done(&b.entries);
    arena_done(&b.arena);
}

struct error *region_write(struct regions *rs, struct region_write *w)
{
    struct region_replica *p = NULL;
    TRY(region__find(rs, w->region, &p));
    struct error *e = region__await_ready(p, w->schema_version, 1000);
    if (!e) {
        struct waiter waiter = {.kind = WAIT_WRITE, .write = w};
        region__touch(p);
        sem_init(&waiter.woken, 0, 0);
        bool leads = enqueue(p, &waiter);
        if (!leads) {
            e = await(p, &waiter, &w->patience);
            leads = !e && waiter.leads;
        }
        if (leads)
            lead(p, &waiter);
        e = e ? e : waiter.error; /* whoever led it may have set that */
        sem_destroy(&waiter.woken);
    }
    region__put(p);
    return e;
}

/* ---- transactions -----------------------------------------------------------------------------
 */

struct error *region_txn_begin(struct regions *rs, uint64_t region, uint64_t schema_version,
                               const struct region_owner *owner,
                               const struct region_patience *patience, struct region_txn **ret)
{
    struct region_replica *p = NULL;
    TRY(region__find(rs, region, &p));
    struct error *e = region__await_ready(p, schema_version, 1000);
    region__touch(p);
    if (!e)
        e = own(p, patience ? patience : &(struct region_patience){0});
    if (e) {
        region__put(p);
        return e;
    }
    if (!atomic_load(&p->ready))
        e = region__not_primary(p);
    else if (atomic_load(&p->file_schema) > schema_version)
        e = error_new(E_STALE_SCHEMA, "the schema has changed");
    else
        e = store_begin(p->store);
    if (e) {
        region__disown(p);
        region__put(p);
        return e;
    }
    struct region_txn *t = NEW(struct region_txn);
    t->replica = p;
    t->entered = true;
    region__lock(rs);
    t->reign = p->reign;
    region__unlock(rs);
    t->owned = owner != NULL;
    pthread_mutex_lock(&p->queue.mutex);
    p->queue.txn = t;
    if (owner)
        p->queue.owner = *owner;
    pthread_mutex_unlock(&p->queue.mutex);
    *ret = t;
    return NULL;
}

struct error *region_txn_enter(struct region_txn *t)
{
    struct region_replica *p = t->replica;
    pthread_mutex_lock(&p->queue.mutex);
    t->entered = !t->revoked;
    pthread_mutex_unlock(&p->queue.mutex);
    return t->entered ? NULL : region__not_primary(p);
}

void region_txn_leave(struct region_txn *t)
{
    struct region_replica *p = t->replica;
    pthread_mutex_lock(&p->queue.mutex);
    t->entered = false;
    pthread_mutex_unlock(&p->queue.mutex);
}

static struct error *check_reign(struct region_replica *p, uint64_t reign)
{
    region__lock(p->rs);
    bool same = p->reign == reign && !p->failed;
    region__unlock(p->rs);
    return same ? NULL : region__not_primary(p);
}

/* What became of entries, a worker sees before anybody else reads or writes. */
static void leave_to_worker(struct region_replica *p)
{
    atomic_store(&p->ready, false);
    landed(p, 0, 0);
    region__want_work(p);
}

static bool is_of(const struct region_owner *o, const struct store_request *request)
{
    return o->request.gateway == request->gateway && o->request.seq == request->seq;
}

/* queue.mutex held: its session, if it has one, finds nothing any more, and may free it. */
static void revoke(struct region_replica *p, struct region_txn *t)
{
    t->revoked = true;
    p->queue.txn = NULL;
    p->queue.owner = (struct region_owner){0};
}

void region__revoke(struct region_replica *p)
{
    pthread_mutex_lock(&p->queue.mutex);
    struct region_txn *t = p->queue.txn;
    bool idle = t && !t->entered, prepared = t && t->prepared;
    if (idle) {
        region__lock(p->rs);
        idle = t->reign != p->reign;
        region__unlock(p->rs);
    }
    if (idle)
        revoke(p, t);
    pthread_mutex_unlock(&p->queue.mutex);
    if (!idle)
        return;
    log_info("region=%llu: an idle transaction is rolled back, this is not its primary any more",
             (unsigned long long)p->id);
    store_rollback(p->store);
    landed(p, 0, 0);
    region__disown(p);
    if (prepared) { /* the log has it */
        region__prepared_ends(p);
        region__txn_free(t);
    }
}

/* Parts were logged; an ABORT must follow them before anything else does. Where that fails, the
 * replica is not ready until a worker has done it, or the next primary has. */
static void abort_parts(struct region_replica *p, uint64_t reign)
{
    struct error *e = check_reign(p, reign);
    if (!e)
        e = region__log_abort(p);
    if (e)
        leave_to_worker(p);
    error_free(e);
}

void region__end_idle(struct region_replica *p, const struct store_request *request)
{
    pthread_mutex_lock(&p->queue.mutex);
    struct region_txn *t = p->queue.txn;
    bool idle = t && !t->entered && is_of(&p->queue.owner, request);
    bool parts = idle && t->last;
    uint64_t reign = idle ? t->reign : 0;
    if (idle)
        revoke(p, t);
    pthread_mutex_unlock(&p->queue.mutex);
    if (!idle)
        return;
    log_info("region=%llu: a transaction over several regions is rolled back, its gateway does not "
             "go on with it",
             (unsigned long long)p->id);
    store_rollback(p->store);
    if (parts)
        abort_parts(p, reign);
    region__disown(p);
}

struct store *region_txn_store(struct region_txn *t)
{
    return t->replica->store;
}

struct error *region__txn_check(struct region_txn *t)
{
    return check_reign(t->replica, t->reign);
}

struct error *region_txn_progress(struct region_txn *t)
{
    struct region_replica *p = t->replica;
    TRY(region__txn_check(t));
    if (store_marks(p->store) || store_changes_size(p->store) < PART_BYTES)
        return NULL; /* what is logged can't be undone by a savepoint */
    _cleanup_(entries_done) struct entries es = {0};
    add_changes(&es, p->store, &(struct payload){.kind = PAYLOAD_PART});
    return replicate(p, &es, &t->last, &t->epoch);
}

bool region__txn_retake(struct region_txn *t)
{
    struct region_replica *p = t->replica;
    pthread_mutex_lock(&p->queue.mutex);
    if (!t->revoked)
        p->queue.txn = NULL; /* nobody revokes it from here on */
    pthread_mutex_unlock(&p->queue.mutex);
    return !t->revoked;
}

void region__txn_free(struct region_txn *t)
{
    struct writer_queue *q = &t->replica->queue;
    pthread_mutex_lock(&q->mutex);
    if (t->owned && !t->revoked)
        q->owner = (struct region_owner){0};
    pthread_mutex_unlock(&q->mutex);
    if (!t->revoked)
        region__disown(t->replica);
    region__put(t->replica);
    region__set_matched(&t->matched, NULL);
    mem_free(t);
}

struct error *region__log_abort(struct region_replica *p)
{
    _cleanup_(entries_done) struct entries es = {0};
    add_entry(&es, &(struct payload){.kind = PAYLOAD_ABORT});
    uint64_t last = 0, epoch = 0;
    struct error *e = replicate(p, &es, &last, &epoch);
    region__touch(p);
    if (!e)
        e = store_begin(p->store);
    if (e) {
        landed(p, 0, 0);
        return e;
    }
    return region__commit_file(p, last, epoch);
}

void region__txn_abort(struct region_txn *t)
{
    store_rollback(t->replica->store);
    if (t->last)
        abort_parts(t->replica, t->reign);
    region__txn_free(t);
}

void region_txn_rollback(struct region_txn *t)
{
    if (region__txn_retake(t))
        region__txn_abort(t);
    else
        region__txn_free(t);
}

struct error *region__txn_log(struct region_txn *t, struct payload *payload)
{
    _cleanup_(entries_done) struct entries es = {0};
    add_changes(&es, t->replica->store, payload);
    return replicate(t->replica, &es, &t->last, &t->epoch);
}

void region__txn_unknown(struct region_txn *t)
{
    leave_to_worker(t->replica);
}

/* Before the last entry is logged; with `participants`, a decision. */
static struct error *ready_to_commit(struct region_txn *t, const struct payload *payload)
{
    struct store *store = t->replica->store;
    TRY(region__txn_check(t));
    TRY(check_foreign_keys(store));
    if (payload->participants)
        TRY(store_put_decision(store, &payload->request, payload->participants,
                               payload->n_participants * sizeof(uint64_t)));
    return payload->has_request ? store_put_request(store, &payload->request, "", 0) : NULL;
}

static struct error *commit(struct region_txn *t, struct payload *payload)
{
    struct region_replica *p = t->replica;
    if (!region__txn_retake(t)) {
        struct error *lost = region__not_primary(p);
        region__txn_free(t);
        return lost;
    }
    struct error *e = ready_to_commit(t, payload);
    if (e) {
        region__txn_abort(t);
        return e;
    }
    e = region__txn_log(t, payload);
    if (e) {
        store_rollback(p->store);
        region__txn_unknown(t);
    } else {
        e = region__commit_file(p, t->last, t->epoch);
    }
    if (!e && t->matched) {
        region__set_matched(&p->matched, t->matched);
        t->matched = NULL;
    }
    region__txn_free(t);
    return e;
}

struct error *region_txn_commit(struct region_txn *t, const struct store_request *request)
{
    bool known = request && request->gateway;
    struct payload payload = {.kind = PAYLOAD_WRITE, .has_request = known};
    if (known)
        payload.request = *request;
    return commit(t, &payload);
}

struct error *region_txn_decide(struct region_txn *t, const struct store_request *request,
                                const uint64_t *participants, size_t n)
{
    _cleanup_(buf_done) struct buf list = {0};
    for (size_t i = 0; i < n; i++)
        buf_put64(&list, participants[i]);
    struct payload payload = {.kind = PAYLOAD_WRITE,
                              .has_request = true,
                              .request = *request,
                              .participants = list.data,
                              .n_participants = (uint32_t)n};
    region__note_decisions(t->replica);
    return commit(t, &payload);
}

/* The writer is owned: nothing that could apply it is under way. */
static struct error *look_for_request(struct region_replica *p, const struct store_request *request,
                                      bool *ret)
{
    const char *result;
    size_t len;
    struct arena a = {0};
    struct error *e = atomic_load(&p->ready)
                          ? store_find_request(p->store, request, &a, ret, &result, &len)
                          : region__not_primary(p);
    arena_done(&a);
    return e;
}

static struct error *own_and_look(struct region_replica *p, const struct store_request *request,
                                  uint64_t deadline, bool *ret)
{
    uint64_t now = clock_ms();
    const struct region_patience until = {.timeout_ms = !deadline        ? 0
                                                        : deadline > now ? deadline - now
                                                                         : 1};
    struct error *e = own(p, &until);
    if (e) {
        error_free(e);
        return error_new(E_UNAVAILABLE, "region %llu is being written to",
                         (unsigned long long)p->id);
    }
    e = look_for_request(p, request, ret);
    region__disown(p);
    return e;
}

struct error *region_request_applied(struct regions *rs, uint64_t region,
                                     const struct store_request *request, bool *ret)
{
    struct region_replica *p = NULL;
    TRY(region__find(rs, region, &p));
    struct error *e = region__await_ready(p, 0, 1000);
    region__touch(p);
    if (!e)
        e = own_and_look(p, request, 0, ret);
    region__put(p);
    return e;
}

struct error *region_get_owner(struct regions *rs, uint64_t region, struct region_owner *ret)
{
    struct region_replica *p = NULL;
    TRY(region__find(rs, region, &p));
    struct error *e = region__await_ready(p, 0, 0);
    pthread_mutex_lock(&p->queue.mutex);
    *ret = p->queue.owner;
    pthread_mutex_unlock(&p->queue.mutex);
    region__put(p);
    return e;
}

bool region__is_under_way(struct region_replica *p, const struct store_request *request)
{
    pthread_mutex_lock(&p->queue.mutex);
    bool is = is_of(&p->queue.owner, request);
    pthread_mutex_unlock(&p->queue.mutex);
    return is;
}

/* By a reader: of the last commit. */
static struct error *read_request(struct region_replica *p, const struct store_request *request,
                                  bool *ret)
{
    struct region_read read = {.replica = p};
    if (!region__enter_store(p))
        return region__not_primary(p);
    struct error *e = store_get_reader(p->store, &read.conn);
    if (!e)
        e = store_reader_request(read.conn, request, ret);
    e = region_read_check(&read, e);
    if (read.conn)
        store_put_reader(p->store, read.conn);
    region__leave_store(p);
    return e;
}

/* Its transaction is gone when it is not under way now: what the file says then is final. */
static struct error *decided(struct region_replica *p, const struct store_request *request,
                             unsigned wait_ms, bool *ret)
{
    TRY(region__await_ready(p, 0, 1000));
    region__touch(p);
    TRY(read_request(p, request, ret));
    if (*ret)
        return NULL;
    return region__is_under_way(p, request) ? own_and_look(p, request, clock_ms() + wait_ms, ret)
                                            : read_request(p, request, ret);
}

struct error *region_request_decided(struct regions *rs, uint64_t region,
                                     const struct store_request *request, unsigned wait_ms,
                                     bool *ret)
{
    struct region_replica *p = NULL;
    TRY(region__find(rs, region, &p));
    struct error *e = decided(p, request, wait_ms, ret);
    region__put(p);
    return e;
}

/* ---- schema ------------------------------------------------------------------------------------
 */

struct error *region__run_ddl(struct region_replica *p, const char *sql, uint64_t schema_version)
{
    TRY(store_begin(p->store));
    struct error *e = store_apply_ddl(p->store, sql, strlen(sql), schema_version);
    if (e) {
        store_rollback(p->store);
        return e;
    }
    _cleanup_(entries_done) struct entries es = {0};
    add_entry(&es, &(struct payload){.kind = PAYLOAD_DDL,
                                     .schema_version = schema_version,
                                     .body = sql,
                                     .body_len = strlen(sql)});
    uint64_t last = 0, epoch = 0;
    e = replicate(p, &es, &last, &epoch);
    if (e) {
        store_rollback(p->store);
        landed(p, 0, 0);
        return e;
    }
    return region__commit_file(p, last, epoch);
}

struct error *region_txn_schema(struct region_txn *t, const struct catalog_view *view)
{
    struct region_replica *p = t->replica;
    const struct region *record = catalog_region(view, p->id);
    _cleanup_(buf_done) struct buf sql = {0};
    if (!record)
        return error_new(E_STALE_SCHEMA, "region %llu does not exist", (unsigned long long)p->id);
    TRY(region__txn_check(t));
    bool match;
    TRY(region__schema_changes(p, t->matched ? t->matched : p->matched, view, &sql, &match));
    TRY(store_change_schema(p->store, sql.data ? sql.data : "", sql.len, record->schema_version));
    region__set_matched(&t->matched, match ? catalog_ref(view) : NULL);
    return NULL;
}

struct error *region_txn_ddl(struct region_txn *t, const char *sql)
{
    TRY(region__txn_check(t));
    return store_change_schema(t->replica->store, sql, strlen(sql), 0);
}

struct error *region_ddl(struct regions *rs, uint64_t region, uint64_t schema_version,
                         const char *sql)
{
    struct region_replica *p = NULL;
    TRY(region__find(rs, region, &p));
    struct error *e = region__await_ready(p, schema_version, 1000);
    region__touch(p);
    if (!e)
        e = region__own(p, NULL);
    if (!e) {
        e = atomic_load(&p->ready) ? region__run_ddl(p, sql, atomic_load(&p->file_schema))
                                   : region__not_primary(p);
        region__disown(p);
    }
    region__put(p);
    return e;
}
