/*
 * Replicas: finding them, being their reader, and what the core asks of them (struct repl_io).
 *
 * The core's callbacks run with core_mutex held and do nothing slow: they change fields, put bytes
 * into the log's and the links' buffers, and leave the rest to workers, proposers and whoever syncs
 * the log next.
 */
#include "region/region_int.h"

#include <stdio.h>
#include <time.h>

struct region_replica *region__get(struct regions *rs, uint64_t id)
{
    pthread_rwlock_rdlock(&rs->map_lock);
    struct region_replica *p = map_get_u64(&rs->map, id);
    if (p)
        atomic_fetch_add(&p->refs, 1);
    pthread_rwlock_unlock(&rs->map_lock);
    return p;
}

struct error *region__find(struct regions *rs, uint64_t id, struct region_replica **ret)
{
    struct region_replica *p = region__get(rs, id);
    if (!p)
        return error_new(E_NOT_PRIMARY, "this server does not hold region %llu",
                         (unsigned long long)id);
    *ret = p;
    return NULL;
}

void region__put(struct region_replica *p)
{
    if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    store_close(p->store);
    region__set_matched(&p->matched, NULL);
    mem_free(p->old_requests);
    buf_done(&p->fragments);
    mem_free(p->leaving);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->queue.mutex);
    mem_free(p);
}

struct region_replica **region__all(struct regions *rs, size_t *ret_n)
{
    pthread_rwlock_rdlock(&rs->map_lock);
    struct region_replica **all = mem_alloc((rs->map.len + 1) * sizeof(struct region_replica *));
    size_t n = 0;
    void *value;
    for (size_t i = 0; map_next(&rs->map, &i, &value);) {
        all[n] = value;
        atomic_fetch_add(&all[n++]->refs, 1);
    }
    pthread_rwlock_unlock(&rs->map_lock);
    *ret_n = n;
    return all;
}

bool region__enter_store(struct region_replica *p)
{
    atomic_fetch_add(&p->users, 1);
    if (!atomic_load(&p->installing) && p->store)
        return true;
    atomic_fetch_sub(&p->users, 1);
    return false;
}

void region__leave_store(struct region_replica *p)
{
    atomic_fetch_sub(&p->users, 1);
}

void region__lock(struct regions *rs)
{
    pthread_mutex_lock(&rs->core_mutex);
}

void region__unlock(struct regions *rs)
{
    uint64_t control = rs->dirty_control, data = rs->dirty_data;
    rs->dirty_control = rs->dirty_data = 0;
    pthread_mutex_unlock(&rs->core_mutex);
    if (control | data)
        region__flush_links(rs, control, data);
}

struct error *region__not_primary(struct region_replica *p)
{
    return error_new(E_NOT_PRIMARY, "this server is not the primary of region %llu",
                     (unsigned long long)p->id);
}

void region__retire(struct region_replica *p)
{
    atomic_store(&p->ready, false);
    while (atomic_load(&p->checks))
        sleep_ms(1);
    region__lock(p->rs);
    p->gone = true;
    p->reign++;
    repl_close(p->rs->core, p->core);
    p->core = NULL;
    pthread_cond_broadcast(&p->changed);
    region__unlock(p->rs);
    region__revoke(p); /* what is prepared here, too */
}

/* ---- what the core asks -----------------------------------------------------------------------
 */

/* The syncer fails all replicas, which can't be done from inside the core. Takes e. */
static void log_fails(struct region_replica *p, struct error *e)
{
    if (p->rs->log_error) {
        error_free(e);
        return;
    }
    log_failure(LOG_ERROR, e, "region=%llu: log", (unsigned long long)p->id);
    p->rs->log_error = e;
}

static void on_append(void *ctx, const struct repl_entry *entries, size_t n)
{
    struct region_replica *p = ctx;
    struct regions *rs = p->rs;
    _cleanup_(mem_freep) struct wal_entry *list = mem_alloc(n * sizeof(*list));
    for (size_t i = 0; i < n; i++)
        list[i] = (struct wal_entry){.region = p->id,
                                     .lsn = entries[i].lsn,
                                     .epoch = entries[i].epoch,
                                     .data = entries[i].data,
                                     .len = entries[i].len};
    uint64_t position = 0;
    struct error *e = wal_append(rs->wal, list, n, &position);
    if (e) {
        log_fails(p, e);
        return;
    }
    p->logged_lsn = entries[n - 1].lsn;
    p->logged_epoch = entries[n - 1].epoch;
    p->logged_position = position;
    if (!p->unsynced) {
        p->unsynced = true;
        atomic_fetch_add(&p->refs, 1);
        p->next_unsynced = rs->unsynced;
        rs->unsynced = p;
    }
}

static void on_truncate(void *ctx, uint64_t lsn)
{
    struct region_replica *p = ctx;
    uint64_t position = 0;
    struct error *e = wal_truncate(p->rs->wal, p->id, lsn, &position);
    if (e)
        log_fails(p, e);
    log_info("region=%llu: cut the log back to lsn=%llu", (unsigned long long)p->id,
             (unsigned long long)lsn);
}

static size_t on_read(void *ctx, uint64_t from, size_t max_bytes, struct repl_entry *ret,
                      size_t max_n)
{
    struct region_replica *p = ctx;
    struct regions *rs = p->rs;
    _cleanup_(mem_freep) struct wal_entry *list = mem_alloc(max_n * sizeof(*list));
    size_t n = 0;
    arena_reset(&rs->read_arena);
    struct error *e = wal_read(rs->wal, p->id, from, max_bytes, &rs->read_arena, list, max_n, &n);
    if (e) {
        log_failure(LOG_WARN, e, "region=%llu: log", (unsigned long long)p->id);
        error_free(e);
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        ret[i] = (struct repl_entry){
            .lsn = list[i].lsn, .epoch = list[i].epoch, .data = list[i].data, .len = list[i].len};
    return n;
}

static uint64_t on_epoch_at(void *ctx, uint64_t lsn)
{
    struct region_replica *p = ctx;
    uint64_t epoch = wal_epoch(p->rs->wal, p->id, lsn);
    return epoch ? epoch : lsn == p->applied ? p->applied_epoch : 0;
}

enum { APPLY_AT_ONCE = 1024 };

static void on_commit(void *ctx, uint64_t lsn)
{
    struct region_replica *p = ctx;
    p->committed = lsn;
    pthread_cond_broadcast(&p->changed);
    if (p->in_flight || lsn <= p->applied)
        return;
    if (p->role == REPL_PRIMARY || lsn - p->applied >= APPLY_AT_ONCE)
        region__want_work(p);
    else if (!p->apply_soon) { /* nobody reads here: applying in large lots leaves the CPU to others
                                */
        p->apply_soon = true;
        atomic_fetch_add(&p->refs, 1);
        p->next_soon = p->rs->soon;
        p->rs->soon = p;
    }
}

static void on_role(void *ctx, enum repl_role role, bool serving, uint64_t epoch)
{
    static const char *const names[] = {"none", "learner", "backup", "primary"};
    struct region_replica *p = ctx;
    if (p->serving && !(role == REPL_PRIMARY && serving)) {
        p->reign++;
        atomic_store(&p->ready, false);
    }
    if (role != p->role || serving != p->serving)
        log_info("region=%llu epoch=%llu: %s%s", (unsigned long long)p->id,
                 (unsigned long long)epoch, names[role], serving ? ", serving" : "");
    p->role = role;
    p->serving = role == REPL_PRIMARY && serving;
    p->epoch = epoch;
    pthread_cond_broadcast(&p->changed);
    region__want_work(p);
}

static void on_propose(void *ctx, const struct repl_config *current, const struct repl_config *next)
{
    struct region_replica *p = ctx;
    struct regions *rs = p->rs;
    struct proposal *proposal = NEW(struct proposal);
    if (p->leaving && next->epoch <= p->leaving_epoch && next->n_learners > current->n_learners)
        proposal->leaving = mem_strdup(p->leaving);
    atomic_fetch_add(&p->refs, 1);
    proposal->replica = p;
    proposal->next_config = *next;
    pthread_mutex_lock(&rs->proposal_mutex);
    *rs->proposals_tail = proposal;
    rs->proposals_tail = &proposal->next;
    pthread_cond_signal(&rs->proposal_cond);
    pthread_mutex_unlock(&rs->proposal_mutex);
}

static void on_fetch_snapshot(void *ctx, repl_node from)
{
    struct region_replica *p = ctx;
    if (!p->gone && !atomic_load(&p->rs->stopping))
        region__fetch_snapshot(p, p->rs->nodes[from].name);
}

struct repl_io region__io(struct regions *rs)
{
    return (struct repl_io){.ctx = rs,
                            .send = region__send,
                            .append = on_append,
                            .truncate = on_truncate,
                            .read = on_read,
                            .epoch_at = on_epoch_at,
                            .commit = on_commit,
                            .propose = on_propose,
                            .role = on_role,
                            .fetch_snapshot = on_fetch_snapshot};
}

/* ---- the log -----------------------------------------------------------------------------------
 */

void region__fail(struct region_replica *p, const struct error *e)
{
    region__lock(p->rs);
    if (!p->failed && !p->gone) {
        p->failed = true;
        snprintf(p->error, sizeof(p->error), "%s", e->message);
        atomic_store(&p->ready, false);
        log_failure(LOG_ERROR, e, "region=%llu: this copy stops", (unsigned long long)p->id);
        if (region__is_disk_error(e))
            atomic_store(&p->rs->disk_failed, true);
        repl_failed(p->rs->core, clock_ms(), p->core);
        pthread_cond_broadcast(&p->changed);
    }
    region__unlock(p->rs);
}

/* Not to be mended while this process runs: what the log took since is not on disk. */
static void fail_all(struct regions *rs, const struct error *e)
{
    atomic_store(&rs->disk_failed, true); /* there may be no replica to say so */
    size_t n;
    struct region_replica **all = region__all(rs, &n);
    for (size_t i = 0; i < n; i++) {
        region__fail(all[i], e);
        region__put(all[i]);
    }
    mem_free(all);
}

void region__sync_log(struct regions *rs)
{
    region__lock(rs);
    struct region_replica *list = rs->unsynced;
    rs->unsynced = NULL;
    struct error *e = rs->log_error ? error_copy(rs->log_error) : NULL;
    uint64_t position = 0;
    struct {
        struct region_replica *p;
        uint64_t lsn, epoch;
    } few[64];
    size_t n = 0;
    for (; list && n < ARRAY_LEN(few); list = list->next_unsynced, n++) {
        few[n].p = list;
        few[n].lsn = list->logged_lsn;
        few[n].epoch = list->logged_epoch;
        list->unsynced = false;
        position = MAX(position, list->logged_position);
    }
    rs->unsynced = list; /* more than fit: the next round's */
    region__unlock(rs);
    if (!n && !e)
        return;
    if (!e)
        e = wal_sync(rs->wal, position);
    if (e)
        fail_all(rs, e);
    region__lock(rs);
    if (e && !rs->log_error)
        rs->log_error = error_copy(e);
    for (size_t i = 0; i < n && !e; i++)
        if (!few[i].p->gone)
            repl_durable(rs->core, clock_ms(), few[i].p->core, few[i].lsn, few[i].epoch);
    bool more = rs->unsynced != NULL && !e;
    region__unlock(rs);
    for (size_t i = 0; i < n; i++)
        region__put(few[i].p);
    error_free(e);
    if (more)
        region__sync_log(rs);
}

/* ---- incoming ----------------------------------------------------------------------------------
 */

struct error *region_link_open(struct regions *rs, const char *peer, struct region_link **ret)
{
    region__lock(rs);
    repl_node from = region__node(rs, peer);
    region__unlock(rs);
    if (from >= REPL_MAX_NODES)
        return error_new("53000", "a cluster has at most %d servers", REPL_MAX_NODES);
    struct region_link *l = NEW(struct region_link);
    l->rs = rs;
    l->from = from;
    *ret = l;
    return NULL;
}

void region_link_receive(struct region_link *l, const void *data, size_t len)
{
    region__lock(l->rs);
    repl_receive(l->rs->core, clock_ms(), l->from, data, len);
    region__unlock(l->rs);
}

void region_link_idle(struct region_link *l)
{
    region__sync_log(l->rs);
}

void region_link_close(struct region_link *l)
{
    mem_free(l);
}

/* ---- reading ------------------------------------------------------------------------------------
 */

static bool may_serve(struct region_replica *p, uint64_t schema_version)
{
    atomic_fetch_add(&p->checks, 1);
    bool may = atomic_load(&p->ready) && atomic_load(&p->file_schema) >= schema_version &&
               repl_may_serve(p->core, clock_ms());
    atomic_fetch_sub(&p->checks, 1);
    return may;
}

void region__wait_changed(struct region_replica *p, uint64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000L;
    t.tv_sec += t.tv_nsec / 1000000000L;
    t.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&p->changed, &p->rs->core_mutex, &t);
}

struct error *region__await_ready(struct region_replica *p, uint64_t schema_version,
                                  unsigned wait_ms)
{
    if (may_serve(p, schema_version))
        return NULL;
    enum { SLICE_MS = 2 }; /* nothing signals that a lease came */
    uint64_t deadline = clock_ms() + wait_ms;
    bool served = false;
    region__lock(p->rs);
    while (p->role == REPL_PRIMARY && !p->failed && !p->gone &&
           !(served = may_serve(p, schema_version)) && clock_ms() < deadline) {
        if (atomic_load(&p->file_schema) < schema_version)
            region__want_work(p);
        region__wait_changed(p, SLICE_MS);
    }
    region__unlock(p->rs);
    return served ? NULL : region__not_primary(p);
}

struct error *region_read_begin(struct regions *rs, uint64_t region, uint64_t schema_version,
                                struct region_read *ret)
{
    struct region_replica *p = NULL;
    TRY(region__find(rs, region, &p));
    struct error *e = region__await_ready(p, schema_version, 1000);
    if (!e)
        e = region__await_decision(p, 1000);
    if (!e && atomic_load(&p->file_schema) > schema_version)
        e = error_new(E_STALE_SCHEMA, "the schema has changed");
    if (!e && !region__enter_store(p))
        e = region__not_primary(p);
    if (e) {
        region__put(p);
        return e;
    }
    struct store_conn *conn = NULL;
    region__touch(p);
    e = store_get_reader(p->store, &conn);
    if (e) {
        e = region_read_check(&(struct region_read){.replica = p}, e);
        region__leave_store(p);
        region__put(p);
        return e;
    }
    *ret = (struct region_read){.conn = conn, .store = p->store, .replica = p};
    return NULL;
}

bool region__is_disk_error(const struct error *e)
{
    return error_is(e, E_DISK_FULL) || error_is(e, E_IO) || error_is(e, E_DAMAGED);
}

static bool has_backups(const struct region_replica *p)
{
    const struct catalog_view *v = catalog_view(p->rs->catalog);
    const struct region *r = catalog_region(v, p->id);
    bool has = r && r->n_backups > 0;
    catalog_unref(v);
    return has;
}

struct error *region__give_up(struct region_replica *p, struct error *e)
{
    bool elsewhere = has_backups(p);
    if (elsewhere && error_is(e, E_DAMAGED))
        error_free(region__mark_damaged(p->rs, p->id)); /* the next start builds it anew */
    region__fail(p, e);
    if (!elsewhere)
        return e;
    error_free(e);
    return region__not_primary(p);
}

struct error *region_read_check(const struct region_read *read, struct error *e)
{
    struct region_replica *p = read->replica;
    if (!e)
        return may_serve(p, 0) ? NULL : region__not_primary(p);
    return region__is_disk_error(e) && has_backups(p) ? region__give_up(p, e) : e;
}

void region_read_end(struct region_read *read)
{
    if (!read->conn)
        return;
    store_put_reader(read->store, read->conn);
    region__leave_store(read->replica);
    region__put(read->replica);
    *read = (struct region_read){0};
}

bool region_get_status(struct regions *rs, uint64_t region, struct region_status *ret)
{
    struct region_replica *p = region__get(rs, region);
    if (!p)
        return false;
    region__lock(rs);
    *ret = (struct region_status){.region = region, .applied_lsn = p->applied, .fetch = p->fetch};
    if (!p->gone)
        repl_get_status(rs->core, p->core, &ret->repl);
    memcpy(ret->error, p->error, sizeof(ret->error));
    region__unlock(rs);
    if (region__enter_store(p)) {
        ret->bytes = (int64_t)store_file_bytes(p->store);
        region__leave_store(p);
    }
    region__put(p);
    return true;
}

int64_t region_row_count(struct regions *rs, uint64_t region, const char *table)
{
    struct region_replica *p = region__get(rs, region);
    if (!p)
        return -1;
    int64_t rows = -1;
    if (region__enter_store(p)) {
        if (atomic_load(&p->awake) || !store_known_rows(p->store, table, &rows)) {
            region__touch(p);
            struct error *e = store_row_count(p->store, table, &rows);
            if (e)
                rows = -1;
            error_free(e);
        }
        region__leave_store(p);
    }
    region__put(p);
    return rows;
}
