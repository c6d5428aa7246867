/*
 * regions: opening and closing everything that this server holds.
 *
 * Threads: a ticker (beacons, leases), a syncer (follows the catalog), two proposers (config
 * changes), workers (work.c), upkeep; one for each link and each snapshot that is fetched. Sessions
 * bring their own.
 *
 * Recovery: the log says which entries each region has, the files say what they hold of them.
 * Between the two lie entries that may or may not be committed; the core finds out from the other
 * replicas.
 */
#include "region/region_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORKERS = 4, PROPOSERS = 2, TICK_MS = 40 };

/* ---- replicas -----------------------------------------------------------------------------------
 */

/* A file that can't be used is kept aside, and the replica is rebuilt from another copy. */
static struct error *open_store(struct regions *rs, uint64_t id, struct store **ret,
                                bool *ret_damaged)
{
    struct error *e = store_open(rs->dir, rs->cluster, id, ret);
    if (!error_is(e, E_DAMAGED))
        return e;
    log_failure(LOG_ERROR, e, "region=%llu: the file is rebuilt from another copy",
                (unsigned long long)id);
    error_free(e);
    *ret_damaged = true;
    static const char *const suffixes[] = {"", "-wal"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        _cleanup_(mem_freep) char *path =
            mem_printf("%s/region-%llu.db%s", rs->dir, (unsigned long long)id, suffixes[i]);
        _cleanup_(mem_freep) char *aside = mem_printf("%s.damaged", path);
        if (rename(path, aside) != 0 && errno != ENOENT)
            return error_errno(E_IO, errno, "could not move \"%s\" aside", path);
    }
    return store_open(rs->dir, rs->cluster, id, ret);
}

static void init_monotonic(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

static struct region_replica *replica_new(struct regions *rs, uint64_t id, struct store *store)
{
    struct region_replica *p = NEW(struct region_replica);
    p->rs = rs;
    p->id = id;
    p->store = store;
    atomic_init(&p->refs, 1);
    pthread_mutex_init(&p->queue.mutex, NULL);
    p->queue.tail = &p->queue.head;
    init_monotonic(&p->changed);
    const struct store_meta *meta = store_meta(store);
    p->applied = p->committed = meta->applied_lsn;
    p->applied_epoch = meta->applied_epoch;
    p->leftovers = true;
    p->file_bytes = -1;
    atomic_init(&p->file_schema, meta->schema_version);
    return p;
}

static char *mark_path(struct regions *rs, uint64_t id)
{
    return mem_printf("%s/region-%llu.rebuild", rs->dir, (unsigned long long)id);
}

static bool is_marked(struct regions *rs, uint64_t id)
{
    _cleanup_(mem_freep) char *path = mark_path(rs, id);
    return access(path, F_OK) == 0;
}

struct error *region__mark_damaged(struct regions *rs, uint64_t id)
{
    _cleanup_(mem_freep) char *path = mark_path(rs, id);
    _cleanup_(fd_closep) int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    _cleanup_(fd_closep) int dir = open(rs->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0 || dir < 0 || fsync(dir) != 0)
        return error_errno(E_IO, errno, "could not create \"%s\"", path);
    return NULL;
}

void region__unmark_damaged(struct regions *rs, uint64_t id)
{
    _cleanup_(mem_freep) char *path = mark_path(rs, id);
    if (unlink(path) != 0 && errno != ENOENT)
        log_warn("could not remove \"%s\"", path);
}

static struct error *open_replica(struct regions *rs, uint64_t id, bool damaged)
{
    struct store *store = NULL;
    TRY(open_store(rs, id, &store, &damaged));
    damaged |= is_marked(rs, id);
    struct region_replica *p = replica_new(rs, id, store);
    if (store_wal_bytes(store))
        region__touch(p); /* upkeep checkpoints it */
    else /* what the log may forget: it does not remember what it was told before */
        wal_release(rs->wal, id, p->applied);
    struct error *e = NULL;
    uint64_t first, last, last_epoch, position;
    wal_range(rs->wal, id, &first, &last, &last_epoch);
    if (first <= last && last < p->applied) /* of what a snapshot replaced, just before a crash */
        e = wal_truncate(rs->wal, id, 0, &position);
    if (first > last || last < p->applied) {
        last = p->applied;
        last_epoch = p->applied_epoch;
    } else if (first > p->applied + 1) {
        log_error("region=%llu: the file ends at lsn=%llu, the log begins at %llu: the replica is "
                  "rebuilt from another copy",
                  (unsigned long long)id, (unsigned long long)p->applied,
                  (unsigned long long)first);
        damaged = true;
    }
    if (damaged && !e)
        e = region__mark_damaged(rs, id);
    if (e) {
        region__put(p);
        return e;
    }
    region__lock(rs);
    p->core = repl_open(rs->core, clock_ms(), id, p, last, last_epoch, p->applied, p->applied_epoch,
                        damaged);
    region__unlock(rs);
    pthread_rwlock_wrlock(&rs->map_lock);
    map_put_u64(&rs->map, id, p);
    pthread_rwlock_unlock(&rs->map_lock);
    return NULL;
}

/* ---- repairs ------------------------------------------------------------------------------------
 */

static struct error *rename_file(struct regions *rs, uint64_t id, const char *suffix,
                                 const char *ending)
{
    _cleanup_(mem_freep) char *path =
        mem_printf("%s/region-%llu.db%s", rs->dir, (unsigned long long)id, suffix);
    _cleanup_(mem_freep) char *aside = mem_printf("%s%s", path, ending);
    if (rename(path, aside) != 0 && errno != ENOENT)
        return error_errno(E_IO, errno, "could not rename \"%s\"", path);
    return NULL;
}

static struct error *check_rebuildable(struct region_replica *p)
{
    region__lock(p->rs);
    bool primary = p->role == REPL_PRIMARY, busy = p->fetch.state != REGION_FETCH_NONE || p->gone;
    region__unlock(p->rs);
    if (primary)
        return error_hint(error_new("55000", "this server is the primary of region %llu",
                                    (unsigned long long)p->id),
                          "Make another copy the primary first.");
    return busy ? error_new("55006", "region %llu is being rebuilt already",
                            (unsigned long long)p->id)
                : NULL;
}

/* rs->syncing held, so that nobody makes a new replica meanwhile. */
static struct error *take_out(struct regions *rs, struct region_replica *p)
{
    enum { WAIT_MS = 10000 };
    uint64_t deadline = clock_ms() + WAIT_MS;
    pthread_rwlock_wrlock(&rs->map_lock);
    map_remove_u64(&rs->map, p->id);
    pthread_rwlock_unlock(&rs->map_lock);
    region__retire(p);
    region__leave_awake(p);
    region__put(p); /* the map's */
    while (atomic_load(&p->refs) > 1 && clock_ms() < deadline)
        sleep_ms(5);
    return atomic_load(&p->refs) == 1
               ? NULL
               : error_hint(error_new("55006", "region %llu is in use", (unsigned long long)p->id),
                            "Restart this server.");
}

static struct error *rebuild(struct regions *rs, struct region_replica *p)
{
    uint64_t id = p->id;
    TRY(check_rebuildable(p));
    TRY(region__mark_damaged(rs, id));
    log_warn("region=%llu: this copy is set aside and made anew from another one",
             (unsigned long long)id);
    TRY(take_out(rs, p));
    TRY(rename_file(rs, id, "", ".damaged"));
    TRY(rename_file(rs, id, "-wal", ".damaged"));
    return open_replica(rs, id, true);
}

struct error *region_rebuild(struct regions *rs, uint64_t region)
{
    struct region_replica *p = NULL;
    TRY(region__find(rs, region, &p));
    pthread_mutex_lock(&rs->syncing);
    struct error *e = rebuild(rs, p);
    rs->follow_all = true; /* the new replica knows no config yet */
    pthread_mutex_unlock(&rs->syncing);
    region__put(p);
    region__follow(rs);
    return e;
}

/* No store of the region is open. Entries that begin behind the file's end can't be applied. */
static struct error *cut_to_file(struct regions *rs, uint64_t id)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct store_contents contents;
    uint64_t first, last, epoch, position;
    TRY(store_inspect(rs->dir, id, false, &a, &contents));
    wal_range(rs->wal, id, &first, &last, &epoch);
    if (first > last || first <= contents.meta.applied_lsn + 1)
        return NULL;
    TRY(wal_truncate(rs->wal, id, 0, &position));
    return wal_sync(rs->wal, position);
}

static bool is_serving(struct region_replica *p)
{
    region__lock(p->rs);
    bool is = p->role == REPL_PRIMARY && p->serving;
    region__unlock(p->rs);
    return is;
}

static struct error *adopt(struct regions *rs, struct region_replica *p)
{
    uint64_t id = p->id;
    if (is_serving(p))
        return error_new("55000", "this server serves region %llu", (unsigned long long)id);
    log_warn("region=%llu: this copy is taken as it is, on the operator's word",
             (unsigned long long)id);
    TRY(take_out(rs, p));
    struct error *e = cut_to_file(rs, id);
    if (!e)
        region__unmark_damaged(rs, id);
    struct error *again = open_replica(rs, id, false);
    if (!e)
        return again;
    error_free(again);
    return e;
}

struct error *region_adopt(struct regions *rs, uint64_t region)
{
    struct region_replica *p = NULL;
    TRY(region__find(rs, region, &p));
    pthread_mutex_lock(&rs->syncing);
    struct error *e = adopt(rs, p);
    rs->follow_all = true; /* the new replica knows no config yet */
    pthread_mutex_unlock(&rs->syncing);
    region__put(p);
    region__follow(rs);
    return e;
}

struct error *region_set_aside(struct regions *rs, uint64_t region)
{
    struct region_replica *p = region__get(rs, region);
    if (p) {
        region__put(p);
        return error_new("55006", "region %llu is in use", (unsigned long long)region);
    }
    log_warn("region=%llu: a file that belongs to nothing is set aside",
             (unsigned long long)region);
    TRY(rename_file(rs, region, "", ".aside"));
    TRY(rename_file(rs, region, "-wal", ".aside"));
    uint64_t position;
    TRY(wal_truncate(rs->wal, region, 0, &position));
    return wal_sync(rs->wal, position);
}

/* At the start, a copy that the store knows and of which the disk has nothing at all was lost, say
 * with a data directory that was wiped. A learner's, too: its primary may be about to make it a
 * backup, on what it had said. (Nothing is ever written in a region's first epoch, and what is
 * written later begins with its schema.) */
static bool was_lost(struct regions *rs, const struct region *r)
{
    return rs->opening && r->epoch > 1;
}

/* A log that failed holds entries that are not on disk: what it says of a region is worth nothing.
 */
static struct error *check_log(struct regions *rs)
{
    region__lock(rs);
    struct error *e = rs->log_error ? error_copy(rs->log_error) : NULL;
    region__unlock(rs);
    return e;
}

struct region_replica *region__create(struct regions *rs, const struct region *record)
{
    uint64_t id = record->id;
    struct error *e = check_log(rs);
    if (!e)
        e = open_replica(rs, id, was_lost(rs, record));
    if (e) {
        log_failure(LOG_ERROR, e, "region=%llu: could not create a copy here",
                    (unsigned long long)id);
        error_free(e);
        return NULL;
    }
    return region__get(rs, id);
}

void region__drop(struct region_replica *p, const char *why)
{
    struct regions *rs = p->rs;
    log_info("region=%llu: deleting this copy: %s", (unsigned long long)p->id, why);
    pthread_rwlock_wrlock(&rs->map_lock);
    bool ours = map_remove_u64(&rs->map, p->id) == p;
    pthread_rwlock_unlock(&rs->map_lock);
    if (!ours)
        return;
    region__retire(p);
    region__lock(rs);
    while (p->placing)
        pthread_cond_wait(&p->changed, &rs->core_mutex);
    region__unlock(rs);
    region__leave_awake(p);
    uint64_t position;
    struct error *e = wal_truncate(rs->wal, p->id, 0, &position);
    error_free(e);
    region__unmark_damaged(rs, p->id);
    e = store_delete(rs->dir, p->id); /* open handles keep the bytes until they are closed */
    if (e)
        log_failure(LOG_WARN, e, "region=%llu", (unsigned long long)p->id);
    error_free(e);
    region__put(p); /* the map's */
}

/* ---- opening ------------------------------------------------------------------------------------
 */

static void on_catalog_change(void *ctx, const struct catalog_view *view)
{
    struct regions *rs = ctx;
    (void)view;
    pthread_mutex_lock(&rs->sync_mutex);
    rs->sync_wanted = true;
    pthread_cond_signal(&rs->sync_cond);
    pthread_mutex_unlock(&rs->sync_mutex);
}

/* Backups apply when the ticker comes round, or when much has gathered (on_commit). core_mutex
 * held. */
static void apply_lots(struct regions *rs)
{
    while (rs->soon) {
        struct region_replica *p = rs->soon;
        rs->soon = p->next_soon;
        p->apply_soon = false;
        region__want_work(p);
        region__put(p);
    }
}

static void *ticker(void *arg)
{
    struct regions *rs = arg;
    while (!atomic_load(&rs->stopping)) {
        region__lock(rs);
        repl_tick(rs->core, clock_ms());
        apply_lots(rs);
        region__unlock(rs);
        sleep_ms(TICK_MS);
    }
    return NULL;
}

static void found_in_log(void *ctx, uint64_t region, uint64_t first, uint64_t last, uint64_t epoch)
{
    (void)first, (void)last, (void)epoch;
    map_put_u64(ctx, region, (void *)(uintptr_t)region);
}

static void found_file(void *ctx, uint64_t region)
{
    map_put_u64(ctx, region, (void *)(uintptr_t)region);
}

static struct error *recover(struct regions *rs)
{
    _cleanup_(mem_freep) char *dir = mem_printf("%s/log", rs->dir);
    _cleanup_(mem_freep) uint64_t *damaged = NULL;
    size_t n_damaged = 0;
    struct map ids = {0}, logged = {0};
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return error_errno(E_IO, errno, "could not create \"%s\"", dir);
    struct error *e = wal_open(dir, NULL, found_in_log, &logged, &rs->wal, &damaged, &n_damaged);
    void *value;
    for (size_t i = 0; map_next(&logged, &i, &value);)
        found_file(&ids, (uint64_t)(uintptr_t)value);
    if (!e)
        e = store_list(rs->dir, found_file, &ids);
    for (size_t i = 0; !e && i < n_damaged; i++)
        map_put_u64(&ids, damaged[i], (void *)(uintptr_t)damaged[i]);
    for (size_t i = 0; !e && map_next(&ids, &i, &value);) {
        uint64_t id = (uint64_t)(uintptr_t)value;
        /* Where the log is damaged, a region that it does not name at all may have lost entries,
         * too. */
        bool is_damaged = wal_is_damaged(rs->wal) && !map_get_u64(&logged, id);
        for (size_t k = 0; k < n_damaged; k++)
            is_damaged |= damaged[k] == id;
        e = open_replica(rs, id, is_damaged);
    }
    if (!e)
        e = wal_settle(rs->wal); /* those that lost something are marked */
    map_done(&ids);
    map_done(&logged);
    return e;
}

static void start(struct regions *rs, void *(*run)(void *))
{
    if (pthread_create(&rs->threads[rs->n_threads++], NULL, run, rs) != 0) {
        log_error("could not start a thread");
        abort();
    }
}

static struct regions *regions_new(const struct regions_options *o)
{
    struct regions *rs = NEW(struct regions);
    rs->name = mem_strdup(o->name);
    rs->dir = mem_strdup(o->dir);
    rs->catalog = o->catalog;
    rs->options = o->repl.lease_ms ? o->repl : repl_defaults;
    rs->snapshot_rate = o->snapshot_rate;
    rs->incarnation = random_u64();
    pthread_rwlock_init(&rs->map_lock, NULL);
    pthread_mutex_init(&rs->core_mutex, NULL);
    pthread_mutex_init(&rs->work_mutex, NULL);
    pthread_mutex_init(&rs->proposal_mutex, NULL);
    pthread_mutex_init(&rs->sync_mutex, NULL);
    pthread_mutex_init(&rs->syncing, NULL);
    pthread_mutex_init(&rs->pace_mutex, NULL);
    pthread_mutex_init(&rs->awake_mutex, NULL);
    pthread_mutex_init(&rs->doubt_mutex, NULL);
    rs->max_awake = region__max_awake();
    pthread_cond_init(&rs->work_cond, NULL);
    pthread_cond_init(&rs->proposal_cond, NULL);
    pthread_cond_init(&rs->sync_cond, NULL);
    rs->work_tail = &rs->work_head;
    rs->proposals_tail = &rs->proposals;
    const struct catalog_view *view = catalog_view(o->catalog);
    rs->cluster = view->cluster;
    catalog_unref(view);
    return rs;
}

struct error *regions_open(const struct regions_options *o, struct regions **ret)
{
    struct regions *rs = regions_new(o);
    struct repl_io io = region__io(rs);
    repl_node self = region__node(rs, rs->name);
    rs->core = repl_new(&rs->options, &io, self, rs->incarnation, clock_ms());
    struct error *e = recover(rs);
    if (e) {
        atomic_store(&rs->stopping, true);
        regions_close(rs, 0);
        return e;
    }
    rs->opening = true;
    region__follow(rs);
    rs->opening = false;
    catalog_on_change(rs->catalog, on_catalog_change, rs);
    on_catalog_change(rs, NULL); /* what changed between the two lines above */
    start(rs, ticker);
    start(rs, region__syncer);
    for (int i = 0; i < PROPOSERS; i++)
        start(rs, region__proposer);
    for (int i = 0; i < WORKERS; i++)
        start(rs, region__worker);
    start(rs, region__upkeep);
    *ret = rs;
    return NULL;
}

/* ---- closing ------------------------------------------------------------------------------------
 */

static bool stays(struct regions *rs, const struct catalog_view *v, repl_node node)
{
    region__lock(rs);
    const struct server *s = catalog_server(v, rs->nodes[node].name);
    region__unlock(rs);
    return s && !s->leaving;
}

/* Asks a backup to become primary, one that is not stopping, too; true: there is nothing to hand
 * over (any more). Which of several it is changes from turn to turn, since not each may be up. */
static bool hand_over_one(struct region_replica *p, const struct catalog_view *v, unsigned turn,
                          bool now)
{
    struct repl_status status = {0};
    region__lock(p->rs);
    if (!p->gone)
        repl_get_status(p->rs->core, p->core, &status);
    region__unlock(p->rs);
    if (status.role != REPL_PRIMARY)
        return true;
    const struct repl_config *c = &status.config;
    for (uint32_t i = 0; i < c->n_backups; i++) {
        repl_node to = c->backups[(turn + i) % c->n_backups];
        if (stays(p->rs, v, to)) {
            region__transfer(p, to, now);
            return false;
        }
    }
    return true;
}

static bool hand_over(struct regions *rs, unsigned turn, bool now)
{
    size_t n;
    struct region_replica **all = region__all(rs, &n);
    const struct catalog_view *v = catalog_view(rs->catalog);
    bool done = true;
    for (size_t i = 0; i < n; i++) {
        done &= hand_over_one(all[i], v, turn, now);
        region__put(all[i]);
    }
    catalog_unref(v);
    mem_free(all);
    return done;
}

static void wake_all(struct regions *rs)
{
    pthread_mutex_lock(&rs->work_mutex);
    pthread_cond_broadcast(&rs->work_cond);
    pthread_mutex_unlock(&rs->work_mutex);
    pthread_mutex_lock(&rs->proposal_mutex);
    pthread_cond_broadcast(&rs->proposal_cond);
    pthread_mutex_unlock(&rs->proposal_mutex);
    pthread_mutex_lock(&rs->sync_mutex);
    pthread_cond_broadcast(&rs->sync_cond);
    pthread_mutex_unlock(&rs->sync_mutex);
}

static void close_replicas(struct regions *rs)
{
    size_t n;
    struct region_replica **all = region__all(rs, &n);
    for (size_t i = 0; i < n; i++) {
        region__retire(all[i]);
        region__put(all[i]); /* ours */
        region__put(all[i]); /* the map's */
    }
    mem_free(all);
}

void regions_hand_over(struct regions *rs, unsigned timeout_ms)
{
    enum { LOOK_MS = 20, ASK_MS = 200 };
    uint64_t deadline = clock_ms() + timeout_ms;
    for (unsigned turn = 0; timeout_ms && !hand_over(rs, turn, clock_ms() >= deadline); turn++) {
        if (clock_ms() >= deadline + ASK_MS)
            break;
        sleep_ms(LOOK_MS);
    }
}

/* References that nobody is left to act on: what was queued after the threads ended. */
static void let_go(struct regions *rs)
{
    while (rs->unsynced) {
        struct region_replica *p = rs->unsynced;
        rs->unsynced = p->next_unsynced;
        region__put(p);
    }
    while (rs->soon) {
        struct region_replica *p = rs->soon;
        rs->soon = p->next_soon;
        region__put(p);
    }
    while (rs->first_awake) {
        struct region_replica *p = rs->first_awake;
        rs->first_awake = p->next_awake;
        region__put(p);
    }
    while (rs->retries) {
        struct region_replica *p = rs->retries;
        rs->retries = p->next_retry;
        region__put(p);
    }
    while (rs->work_head) {
        struct region_replica *p = rs->work_head;
        rs->work_head = p->next_work;
        region__put(p);
    }
    while (rs->proposals) {
        struct proposal *proposal = rs->proposals;
        rs->proposals = proposal->next;
        region__put(proposal->replica);
        mem_free(proposal->leaving);
        mem_free(proposal);
    }
}

void regions_close(struct regions *rs, unsigned timeout_ms)
{
    if (!rs)
        return;
    regions_hand_over(rs, timeout_ms);
    atomic_store(&rs->stopping, true);
    catalog_on_change_stop(rs->catalog, rs);
    wake_all(rs);
    for (int i = 0; i < rs->n_threads; i++)
        pthread_join(rs->threads[i], NULL);
    while (atomic_load(&rs->snapshots))
        sleep_ms(5);
    region__close_links(rs);
    close_replicas(rs);
    let_go(rs);
    if (rs->followed)
        catalog_unref(rs->followed);
    wal_close(rs->wal);
    error_free(rs->log_error);
    repl_free(rs->core);
    map_done(&rs->map);
    map_done(&rs->in_doubt);
    map_done(&rs->deciding);
    arena_done(&rs->read_arena);
    for (uint32_t i = 0; i < rs->n_nodes; i++)
        mem_free(rs->nodes[i].name);
    mem_free(rs->name);
    mem_free(rs->dir);
    mem_free(rs);
}
