/*
 * Upkeep, twice a second: looks after the replicas whose files are open, closes those that nobody
 * uses, checkpoints, relieves the log, asks again for work that failed, and publishes what this
 * server holds.
 *
 * A server may hold thousands of replicas, most of them idle. Whoever is about to use a file calls
 * region__touch(), which puts the replica into the list of those that are awake; only these cost
 * anything here. Each look clears `touched`: who was touched goes to the list's end, who was not
 * for long is put to sleep. So the list is in the order of use, and when there are more than
 * max_awake, the first ones go at once.
 *
 *   asleep --region__touch--> awake --IDLE_PERIODS without use, or too many awake--> asleep
 *
 * Checkpoints are rare and large, and never on a writer's thread: their fsyncs were two thirds of
 * an UPDATE's cost otherwise. A file that nobody has written to since the last look is
 * checkpointed, too: readers search a WAL for each page, a quarter of a point read's cost; and what
 * is checkpointed does not hold back the log.
 */
#include "region/region_int.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    PERIOD_MS = 500,
    IDLE_PERIODS = 20,
    INFO_EVERY = 4, /* periods */
    CHECKPOINT_BYTES = 48 * 1024 * 1024,
    QUIET_CHECKPOINTS = 50, /* in one look: they share the disk with the log */
    PRESSURE_MAX = 64,
    COUNTING_MS = 50, /* tables, each time: what is not counted by then is next time */
    FILES_EACH = 16,  /* that a replica may have open, by and large */
    AWAKE_MIN = 16,
    AWAKE_MAX = 1024,
    LOOK_AT = 8,      /* to find some to close */
    TRIM_EVERY = 256, /* closed files */
    FREE_EVERY = 120, /* periods */
    MUCH_IS_FREE = 16 * 1024 * 1024,
};

uint64_t region__log_bytes = 256 * 1024 * 1024;

size_t region__max_awake(void)
{
    struct rlimit l;
    rlim_t files = getrlimit(RLIMIT_NOFILE, &l) == 0 ? l.rlim_cur : 1024;
    return (size_t)MAX(MIN(files / FILES_EACH, (rlim_t)AWAKE_MAX), (rlim_t)AWAKE_MIN);
}

/* ---- who is awake --------------------------------------------------------------------------- */

/* awake_mutex held. */
static void append(struct regions *rs, struct region_replica *p)
{
    p->prev_awake = rs->last_awake;
    p->next_awake = NULL;
    *(p->prev_awake ? &p->prev_awake->next_awake : &rs->first_awake) = p;
    rs->last_awake = p;
}

/* awake_mutex held. */
static void unlink_awake(struct regions *rs, struct region_replica *p)
{
    *(p->prev_awake ? &p->prev_awake->next_awake : &rs->first_awake) = p->next_awake;
    *(p->next_awake ? &p->next_awake->prev_awake : &rs->last_awake) = p->prev_awake;
}

/* True: there are too many now. */
static bool join_list(struct region_replica *p)
{
    struct regions *rs = p->rs;
    atomic_store(&p->touched, true); /* before the look into the list: see leave_list */
    pthread_mutex_lock(&rs->awake_mutex);
    if (!p->awake) {
        p->awake = true;
        atomic_fetch_add(&p->refs, 1);
        append(rs, p);
        rs->n_awake++;
    }
    bool full = rs->n_awake > rs->max_awake;
    pthread_mutex_unlock(&rs->awake_mutex);
    return full;
}

/* False: it was used meanwhile, and stays. The list's reference is the caller's then. */
static bool leave_list(struct region_replica *p)
{
    struct regions *rs = p->rs;
    pthread_mutex_lock(&rs->awake_mutex);
    bool leaves = p->awake && !atomic_load(&p->touched);
    if (leaves) {
        p->awake = false;
        p->quiet = 0;
        unlink_awake(rs, p);
        rs->n_awake--;
    }
    pthread_mutex_unlock(&rs->awake_mutex);
    return leaves;
}

void region__leave_awake(struct region_replica *p)
{
    atomic_store(&p->touched, false);
    if (leave_list(p))
        region__put(p);
}

/* References to all that are awake; the caller puts each and frees the array. */
static struct region_replica **all_awake(struct regions *rs, size_t *ret_n)
{
    pthread_mutex_lock(&rs->awake_mutex);
    struct region_replica **all = mem_alloc((rs->n_awake + 1) * sizeof(struct region_replica *));
    size_t n = 0;
    for (struct region_replica *p = rs->first_awake; p; p = p->next_awake) {
        all[n++] = p;
        atomic_fetch_add(&p->refs, 1);
    }
    pthread_mutex_unlock(&rs->awake_mutex);
    *ret_n = n;
    return all;
}

/* Has it been used since the last look? Then it goes to the list's end. */
static bool was_used(struct region_replica *p)
{
    struct regions *rs = p->rs;
    if (!atomic_exchange(&p->touched, false))
        return false;
    pthread_mutex_lock(&rs->awake_mutex);
    if (p->awake && p != rs->last_awake) {
        unlink_awake(rs, p);
        append(rs, p);
    }
    pthread_mutex_unlock(&rs->awake_mutex);
    return true;
}

/* ---- checkpoints, sleep --------------------------------------------------------------------- */

static void checkpoint(struct region_replica *p)
{
    if (!region__enter_store(p))
        return;
    uint64_t durable = 0;
    struct error *e = store_checkpoint(p->store, &durable);
    region__leave_store(p);
    if (!e)
        wal_release(p->rs->wal, p->id, durable);
    else
        region__fail(p, e);
    error_free(e);
}

/* What is in the SQLite WAL alone; is the file worth keeping open for a count that is due? */
static uint64_t wal_bytes(struct region_replica *p, bool *ret_counted)
{
    uint64_t bytes = 0;
    *ret_counted = true;
    if (region__enter_store(p)) {
        bytes = store_wal_bytes(p->store);
        *ret_counted = store_counts_hold(p->store);
        region__leave_store(p);
    }
    return bytes;
}

/* Closes the files; false: somebody uses them. */
static bool close_files(struct region_replica *p)
{
    if (!region__try_own(p))
        return false;
    bool closed = !p->parts_open && p->store && store_sleep(p->store);
    if (closed)
        region__set_matched(&p->matched, NULL);
    region__disown(p);
    atomic_fetch_add(&p->rs->closed, closed);
    return closed;
}

static void put_to_sleep(struct region_replica *p)
{
    if (!leave_list(p))
        return;
    if (!close_files(p))
        join_list(p);
    region__put(p);
}

/* Too many files are open: closes some of those that were used the longest time ago. What is in the
 * SQLite WAL stays there, that costs no sync. Who was used since the last look gets away once. */
static void make_room(struct regions *rs)
{
    struct region_replica *first[LOOK_AT];
    size_t n = 0;
    pthread_mutex_lock(&rs->awake_mutex);
    size_t surplus = rs->n_awake > rs->max_awake ? rs->n_awake - rs->max_awake : 0;
    for (struct region_replica *p = rs->first_awake; surplus && p && n < LOOK_AT;
         p = p->next_awake) {
        first[n++] = p;
        atomic_fetch_add(&p->refs, 1);
    }
    pthread_mutex_unlock(&rs->awake_mutex);
    for (size_t i = 0; i < n; i++) {
        if (surplus && !was_used(first[i])) {
            put_to_sleep(first[i]);
            surplus--;
        }
        region__put(first[i]);
    }
}

void region__touch(struct region_replica *p)
{
    struct regions *rs = p->rs;
    if (atomic_load_explicit(&p->touched, memory_order_relaxed))
        return;
    if (join_list(p))
        make_room(rs);
}

static void look_after(struct region_replica *p, int *quiet_checkpoints)
{
    region__revoke(p);
    region__hurry(p);
    p->quiet = was_used(p) ? 0 : p->quiet + 1;
    bool counted;
    uint64_t bytes = wal_bytes(p, &counted);
    bool unchanged = bytes == p->quiet_bytes;
    p->quiet_bytes = bytes;
    if (bytes >= CHECKPOINT_BYTES || (bytes && unchanged && (*quiet_checkpoints)-- > 0))
        checkpoint(p);
    else if (!bytes && p->quiet >= IDLE_PERIODS && counted)
        put_to_sleep(p);
}

static void look_after_all(struct regions *rs, unsigned round)
{
    size_t n;
    int quiet_checkpoints = QUIET_CHECKPOINTS;
    struct region_replica **all = all_awake(rs, &n);
    for (size_t i = 0; i < n; i++) {
        region__fold_requests(all[i], round);
        look_after(all[i], &quiet_checkpoints);
        region__put(all[i]);
    }
    mem_free(all);
}

static void relieve_log(struct regions *rs)
{
    uint64_t regions[PRESSURE_MAX], bytes = 0;
    wal_pressure(rs->wal, regions, 0, &bytes);
    if (bytes < region__log_bytes)
        return;
    size_t n = wal_pressure(rs->wal, regions, PRESSURE_MAX, &bytes);
    for (size_t i = 0; i < n; i++) {
        struct region_replica *p = region__get(rs, regions[i]);
        if (p) {
            region__touch(p);
            checkpoint(p);
        } else {
            wal_release(rs->wal, regions[i], UINT64_MAX); /* of a region that is gone */
        }
        region__put(p);
    }
}

/* ---- what this server holds ------------------------------------------------------------------ */

struct holdings {
    struct regions *rs;
    int64_t tables, records, bytes;
    uint64_t counting_until; /* clock_ms */
    bool all_counted;
};

/* Counts a table of a file that is closed, and leaves it so. */
static void count_asleep(struct region_replica *p, const char *table, int64_t *ret)
{
    struct error *e = store_row_count(p->store, table, ret);
    error_free(e);
    if (!atomic_load(&p->awake) && !close_files(p))
        join_list(p);
}

static void add_table(struct holdings *h, const struct table *t)
{
    struct region_replica *p = region__get(h->rs, t->region);
    int64_t rows = 0;
    if (!p)
        return;
    h->tables++;
    if (region__enter_store(p)) {
        bool known = store_known_rows(p->store, table_file_name(t), &rows);
        bool awake = atomic_load(&p->awake);
        if (awake ? store_count_is_due(p->store, table_file_name(t)) : !known) {
            if (clock_ms() >= h->counting_until)
                h->all_counted = false;
            else if (awake)
                error_free(store_row_count(p->store, table_file_name(t),
                                           &rows)); /* maybe it is not there yet */
            else
                count_asleep(p, table_file_name(t), &rows);
        }
        region__leave_store(p);
    }
    h->records += rows;
    region__put(p);
}

static void add_region(struct holdings *h, const struct region *r)
{
    struct region_replica *p = region__get(h->rs, r->id);
    if (!p)
        return;
    if ((atomic_load(&p->awake) || p->file_bytes < 0) && region__enter_store(p)) {
        p->file_bytes = (int64_t)store_file_bytes(p->store);
        region__leave_store(p);
    }
    h->bytes += MAX(p->file_bytes, 0);
    region__put(p);
}

static void publish(struct regions *rs, bool failed)
{
    const struct catalog_view *view = catalog_view(rs->catalog);
    if (view->revision != rs->published || !rs->all_counted || rs->n_awake ||
        failed != rs->told_failed) {
        struct holdings h = {
            .rs = rs, .counting_until = clock_ms() + COUNTING_MS, .all_counted = true};
        size_t n = view->n_tables, from = rs->count_from;
        for (size_t i = 0; i < n; i++) {
            bool all = h.all_counted;
            add_table(&h, view->tables[(from + i) % n]);
            if (all && !h.all_counted)
                rs->count_from = (from + i) % n;
        }
        for (size_t i = 0; i < view->n_regions; i++)
            add_region(&h, view->regions[i]);
        rs->published = view->revision;
        rs->all_counted = h.all_counted;
        rs->told_failed = failed;
        catalog_update_info(rs->catalog, h.tables, h.records, h.bytes, failed);
    }
    catalog_unref(view);
}

static bool much_is_free(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.fordblks > MUCH_IS_FREE && m.fordblks > m.uordblks / 2;
}

/* The C library keeps what was freed: what many files took is better given back, and so is what
 * lies free among statements that one thread planned and another threw out. */
static void give_back_memory(struct regions *rs, unsigned period)
{
    size_t closed = atomic_load(&rs->closed);
    bool many = closed >= TRIM_EVERY || (closed && !rs->n_awake);
    if (!many && (period % FREE_EVERY != FREE_EVERY - 1 || !much_is_free()))
        return;
    malloc_trim(0);
    atomic_fetch_sub(&rs->closed, closed);
}

/* ---- a disk that failed ------------------------------------------------------------------- */

/* Can a file be written there, and is there room for the log to go on? */
static bool can_write(const char *dir)
{
    enum { BYTES = 64 * 1024, FREE_BYTES = 64 * 1024 * 1024 };
    struct statvfs fs;
    if (statvfs(dir, &fs) != 0 || fs.f_bavail < FREE_BYTES / fs.f_frsize)
        return false;
    _cleanup_(mem_freep) char *path = mem_printf("%s/disk-test.tmp", dir);
    _cleanup_(mem_freep) char *bytes = mem_zalloc(BYTES);
    _cleanup_(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool works = fd >= 0 && pwrite(fd, bytes, BYTES, 0) == BYTES && fsync(fd) == 0;
    return unlink(path) == 0 && works;
}

static void try_disk(struct regions *rs)
{
    _cleanup_(mem_freep) char *log = mem_printf("%s/log", rs->dir);
    if (atomic_load(&rs->disk_failed) && !atomic_load(&rs->disk_back) && can_write(rs->dir) &&
        can_write(log))
        atomic_store(&rs->disk_back, true);
}

bool regions_want_reopening(struct regions *rs)
{
    return rs && atomic_load(&rs->disk_back);
}

/* ---- all of it ------------------------------------------------------------------------------- */

void *region__upkeep(void *arg)
{
    struct regions *rs = arg;
    for (unsigned period = 0; !atomic_load(&rs->stopping); period++) {
        region__retry_work(rs);
        look_after_all(rs, period);
        relieve_log(rs);
        region__sync_log(rs); /* truncations, and anything that nobody waited for */
        bool failed = atomic_load(&rs->disk_failed);
        if (period % INFO_EVERY == 0 || failed != rs->told_failed)
            publish(rs, failed);
        give_back_memory(rs, period);
        try_disk(rs);
        for (unsigned ms = 0; ms < PERIOD_MS && !atomic_load(&rs->stopping); ms += 50)
            sleep_ms(50);
    }
    return NULL;
}
