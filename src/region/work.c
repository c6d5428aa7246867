/*
 * What replicas do in the background, level-triggered: whoever changes something about a replica
 * calls region__want_work(), and a worker brings it to where it should be.
 *
 *   backup, learner:     apply what is committed
 *   primary, not ready:  apply what is committed, abort a transaction that its predecessor left in
 * parts (or hold the writer for it, if it is prepared: span.c), bring the file to the catalog's
 * schema, then be ready (readers and writers come in)
 *   primary, ready:      bring the file to the catalog's schema when that changes
 *
 * A replica is worked on by one worker at a time. Work that fails is wanted again: upkeep asks.
 */
#include "region/region_int.h"

enum { APPLY_BYTES = 1024 * 1024, APPLY_ENTRIES = 512 };

void region__want_work(struct region_replica *p)
{
    struct regions *rs = p->rs;
    pthread_mutex_lock(&rs->work_mutex);
    if (p->queued) {
        p->again = true;
    } else {
        atomic_fetch_add(&p->refs, 1);
        p->queued = true;
        p->next_work = NULL;
        *rs->work_tail = p;
        rs->work_tail = &p->next_work;
        pthread_cond_signal(&rs->work_cond);
    }
    pthread_mutex_unlock(&rs->work_mutex);
}

static void retry_later(struct region_replica *p)
{
    struct regions *rs = p->rs;
    pthread_mutex_lock(&rs->work_mutex);
    if (!p->retries) {
        p->retries = true;
        atomic_fetch_add(&p->refs, 1);
        p->next_retry = rs->retries;
        rs->retries = p;
    }
    pthread_mutex_unlock(&rs->work_mutex);
}

void region__retry_work(struct regions *rs)
{
    pthread_mutex_lock(&rs->work_mutex);
    struct region_replica *list = rs->retries;
    rs->retries = NULL;
    pthread_mutex_unlock(&rs->work_mutex);
    while (list) {
        struct region_replica *p = list;
        list = p->next_retry; /* nobody lists it again before the next line but one */
        pthread_mutex_lock(&rs->work_mutex);
        p->retries = false;
        pthread_mutex_unlock(&rs->work_mutex);
        region__want_work(p);
        region__put(p);
    }
}

/* ---- applying -------------------------------------------------------------------------------- */

struct applying {
    struct region_replica *p;
    bool open;            /* an SQLite transaction is */
    uint64_t last, epoch; /* of the last whole transaction in it; 0: none */
};

static struct error *open_transaction(struct applying *a)
{
    if (a->open)
        return NULL;
    region__touch(a->p);
    TRY(store_begin(a->p->store));
    a->open = true;
    return NULL;
}

void region__see_schema(struct region_replica *p)
{
    atomic_store(&p->file_schema, store_meta(p->store)->schema_version);
}

static void reported(struct applying *a)
{
    struct region_replica *p = a->p;
    region__see_schema(p);
    region__lock(p->rs);
    p->applied = a->last;
    p->applied_epoch = a->epoch;
    pthread_cond_broadcast(&p->changed);
    region__unlock(p->rs);
    a->last = 0;
}

static struct error *close_transaction(struct applying *a)
{
    if (!a->open || !a->last)
        return NULL;
    TRY(store_commit(a->p->store, a->last, a->epoch));
    a->open = false;
    reported(a);
    return NULL;
}

/* Parts wait in an SQLite transaction of their own for the WRITE or ABORT that ends them. */
static struct error *begin_parts(struct applying *a)
{
    if (a->p->parts_open)
        return NULL;
    TRY(close_transaction(a));
    a->p->parts_open = true;
    return NULL;
}

static struct error *apply_changes(struct applying *a, const struct payload *payload)
{
    struct region_replica *p = a->p;
    if (!p->fragments.len)
        return store_apply(p->store, payload->body, payload->body_len);
    buf_append(&p->fragments, payload->body, payload->body_len);
    struct error *e = store_apply(p->store, p->fragments.data, p->fragments.len);
    buf_done(&p->fragments);
    return e;
}

static struct error *apply_abort(struct applying *a, const struct wal_entry *entry)
{
    struct region_replica *p = a->p;
    buf_done(&p->fragments);
    p->doubt = (struct region_doubt){0};
    if (p->parts_open) {
        store_rollback(p->store);
        a->open = false;
        p->parts_open = false;
    }
    TRY(open_transaction(a));
    a->last = entry->lsn;
    a->epoch = entry->epoch;
    return NULL;
}

static struct error *apply_entry(struct applying *a, const struct wal_entry *entry)
{
    struct region_replica *p = a->p;
    struct payload payload;
    TRY(payload_decode(entry->data, entry->len, &payload));
    switch (payload.kind) {
    case PAYLOAD_FRAGMENT:
        if (!p->parts_open && a->last)
            TRY(close_transaction(a)); /* so that a restart finds all fragments again */
        buf_append(&p->fragments, payload.body, payload.body_len);
        return NULL;
    case PAYLOAD_PART:
        TRY(begin_parts(a));
        TRY(open_transaction(a));
        return apply_changes(a, &payload);
    case PAYLOAD_PREPARE:
        TRY(begin_parts(a));
        TRY(open_transaction(a));
        TRY(apply_changes(a, &payload));
        p->doubt = (struct region_doubt){
            .region = p->id, .decider = payload.decider, .request = payload.request};
        return NULL;
    case PAYLOAD_ABORT:
        return apply_abort(a, entry);
    case PAYLOAD_DDL:
        TRY(close_transaction(a));
        TRY(open_transaction(a));
        TRY(store_apply_ddl(p->store, payload.body, payload.body_len, payload.schema_version));
        a->last = entry->lsn;
        a->epoch = entry->epoch;
        return close_transaction(a);
    case PAYLOAD_WRITE:
        TRY(open_transaction(a));
        TRY(apply_changes(a, &payload));
        if (payload.has_request)
            TRY(store_put_request(p->store, &payload.request, payload.result, payload.result_len));
        if (payload.participants)
            TRY(store_put_decision(p->store, &payload.request, payload.participants,
                                   payload.n_participants * sizeof(uint64_t)));
        p->parts_open = false;
        p->doubt = (struct region_doubt){0};
        a->last = entry->lsn;
        a->epoch = entry->epoch;
        return NULL;
    }
    return error_new(E_DAMAGED, "a log entry is damaged");
}

static bool next_to_apply(struct region_replica *p, uint64_t *ret_from, uint64_t *ret_to)
{
    region__lock(p->rs);
    uint64_t from = p->applied + 1;
    if ((p->parts_open || p->fragments.len) && p->apply_next > from)
        from = p->apply_next;
    uint64_t to = p->committed;
    if (p->role != REPL_PRIMARY && clock_ms() < p->hold_until)
        to = MIN(to, p->hold_lsn);
    *ret_from = from;
    *ret_to = to;
    bool any = !p->in_flight && !p->failed && !p->gone && to >= from;
    region__unlock(p->rs);
    return any;
}

/* Applies one read's worth of entries; the writer is owned. */
static struct error *apply_some(struct region_replica *p, uint64_t from, uint64_t to)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct wal_entry entries[APPLY_ENTRIES];
    size_t n = 0;
    TRY(wal_read(p->rs->wal, p->id, from, APPLY_BYTES, &arena, entries, APPLY_ENTRIES, &n));
    if (!n)
        return error_new(E_DAMAGED,
                         "region %llu: the log does not hold entry %llu, which is to be applied",
                         (unsigned long long)p->id, (unsigned long long)from);
    struct applying a = {.p = p, .open = p->parts_open};
    for (size_t i = 0; i < n && entries[i].lsn <= to; i++) {
        struct error *e = apply_entry(&a, &entries[i]);
        if (e) {
            if (a.open)
                store_rollback(p->store);
            p->parts_open = false;
            p->doubt = (struct region_doubt){0};
            buf_done(&p->fragments);
            return e;
        }
        p->apply_next = entries[i].lsn + 1;
    }
    struct error *e = p->parts_open ? NULL : close_transaction(&a);
    if (e)
        store_rollback(p->store);
    return e;
}

static struct error *apply_all(struct region_replica *p)
{
    uint64_t from, to;
    while (next_to_apply(p, &from, &to))
        TRY(apply_some(p, from, to));
    return NULL;
}

/* ---- being ready ------------------------------------------------------------------------------
 */

/* A predecessor's transaction that nobody will finish: void it in the log, too. */
struct error *region__forget_parts(struct region_replica *p)
{
    if (!p->parts_open && !p->fragments.len)
        return NULL;
    if (p->parts_open)
        store_rollback(p->store);
    p->parts_open = false;
    p->doubt = (struct region_doubt){0};
    buf_done(&p->fragments);
    return region__log_abort(p);
}

static bool lags(struct region_replica *p, const struct region *record)
{
    return record && record->schema_version > 0 &&
           (record->schema_version > atomic_load(&p->file_schema) || !region__is_described(p));
}

static struct error *follow_schema(struct region_replica *p)
{
    const struct catalog_view *view = catalog_view(p->rs->catalog);
    const struct region *record = catalog_region(view, p->id);
    struct error *e = NULL;
    if (!p->described) {
        region__touch(p);
        e = store_wake(p->store);
    }
    while (!e && lags(p, record)) {
        region__touch(p);
        _cleanup_(buf_done) struct buf sql = {0};
        bool match;
        e = region__schema_changes(p, p->matched, view, &sql, &match);
        if (!e)
            e = region__run_ddl(p, sql.data ? sql.data : "",
                                MAX(record->schema_version, atomic_load(&p->file_schema)));
        region__set_matched(&p->matched, e || !match ? NULL : catalog_ref(view));
    }
    catalog_unref(view);
    return e;
}

static bool primary_serving(struct region_replica *p, uint64_t *ret_reign)
{
    region__lock(p->rs);
    bool is = p->role == REPL_PRIMARY && p->serving && !p->failed && !p->gone;
    *ret_reign = p->reign;
    region__unlock(p->rs);
    return is;
}

/* All that is committed is in the file, or in what waits there for a decision. core_mutex held. */
static bool has_all(struct region_replica *p, bool adopted)
{
    uint64_t has = adopted ? p->apply_next - 1 : p->applied;
    return has >= p->committed || REPL_MUTATION(serve_before_applied);
}

static struct error *catch_up(struct region_replica *p, uint64_t reign, bool *ret_adopted)
{
    if (!REPL_MUTATION(serve_before_applied)) {
        TRY(apply_all(p));
        if (p->doubt.region && !REPL_MUTATION(prepared_is_forgotten)) {
            region__adopt_prepared(p, reign);
            *ret_adopted = true;
        }
        TRY(region__forget_parts(p));
    }
    region__look_for_decisions(p);
    region__set_matched(&p->matched, NULL);
    return NULL;
}

/* The writer is owned; *ret_adopted: it is not any more, what is prepared has it. */
static struct error *become_ready(struct region_replica *p, bool *ret_adopted)
{
    uint64_t reign;
    if (!primary_serving(p, &reign))
        return NULL;
    if (!atomic_load(&p->ready))
        TRY(catch_up(p, reign, ret_adopted));
    if (!*ret_adopted)
        TRY(follow_schema(p));
    region__lock(p->rs);
    if (p->reign == reign && p->role == REPL_PRIMARY && p->serving && !p->failed &&
        has_all(p, *ret_adopted)) {
        atomic_store(&p->ready, true);
        pthread_cond_broadcast(&p->changed);
    }
    region__unlock(p->rs);
    return NULL;
}

/* No worker waits for a writer: the transaction that has it may wait for another region's. */
static struct error *bring_up(struct region_replica *p)
{
    bool adopted = false;
    region__revoke(p);
    if (!region__own_for_work(p))
        return NULL;
    struct error *e = REPL_MUTATION(serve_before_applied) && p->serving ? NULL : apply_all(p);
    if (!e)
        e = become_ready(p, &adopted);
    if (!adopted)
        region__disown(p);
    return e;
}

/* Of a snapshot that turned out not to be needed, say because the log did reach back after all. */
static void clear_leftovers(struct region_replica *p)
{
    struct repl_status status = {0};
    region__lock(p->rs);
    if (p->leftovers && !p->gone && p->fetch.state == REGION_FETCH_NONE)
        repl_get_status(p->rs->core, p->core, &status);
    bool clear = !status.damaged && (status.role == REPL_BACKUP || status.role == REPL_PRIMARY);
    p->leftovers = p->leftovers && !clear;
    region__unlock(p->rs);
    if (clear)
        region__clear_leftovers(p);
}

static void work_on(struct region_replica *p)
{
    clear_leftovers(p);
    struct error *e = bring_up(p);
    if (error_is(e, E_NOT_PRIMARY) || error_is(e, E_CANCELED)) {
        log_debug("region=%llu: %s", (unsigned long long)p->id, e->message);
        retry_later(p);
    } else if (e) {
        region__fail(p, e);
    }
    error_free(e);
}

static struct region_replica *take(struct regions *rs)
{
    pthread_mutex_lock(&rs->work_mutex);
    while (!rs->work_head && !atomic_load(&rs->stopping))
        pthread_cond_wait(&rs->work_cond, &rs->work_mutex);
    struct region_replica *p = rs->work_head;
    if (p) {
        rs->work_head = p->next_work;
        if (!rs->work_head)
            rs->work_tail = &rs->work_head;
    }
    pthread_mutex_unlock(&rs->work_mutex);
    return p;
}

static void finish(struct regions *rs, struct region_replica *p)
{
    pthread_mutex_lock(&rs->work_mutex);
    p->queued = false;
    bool again = p->again;
    p->again = false;
    pthread_mutex_unlock(&rs->work_mutex);
    if (again)
        region__want_work(p);
    region__put(p);
}

void *region__worker(void *arg)
{
    struct regions *rs = arg;
    for (struct region_replica *p; (p = take(rs));) {
        if (!atomic_load(&rs->stopping))
            work_on(p);
        else
            p->again = false;
        finish(rs, p);
    }
    return NULL;
}
