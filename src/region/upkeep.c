/*
 * Upkeep, twice a second: checkpoints files whose SQLite WAL has grown or that hold back the log's
 * oldest segment, asks again for work that failed, and publishes what this server holds.
 *
 * Checkpoints are rare and large, and never on a writer's thread: their fsyncs were two thirds of
 * an UPDATE's cost otherwise. A file that nobody has written to since the last look is
 * checkpointed, too: readers search a WAL for each page, a quarter of a point read's cost.
 */
#include "region/region_int.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    PERIOD_MS = 500,
    INFO_EVERY = 4, /* periods */
    CHECKPOINT_BYTES = 48 * 1024 * 1024,
    LOG_BYTES = 256 * 1024 * 1024,
    PRESSURE_MAX = 64,
};

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

static void relieve_log(struct regions *rs)
{
    uint64_t regions[PRESSURE_MAX], bytes = 0;
    size_t n = wal_pressure(rs->wal, regions, PRESSURE_MAX, &bytes);
    if (bytes < LOG_BYTES)
        return;
    for (size_t i = 0; i < n; i++) {
        struct region_replica *p = region__get(rs, regions[i]);
        if (p)
            checkpoint(p);
        else
            wal_release(rs->wal, regions[i], UINT64_MAX); /* of a region that is gone */
        region__put(p);
    }
}

/* A snapshot that turned out not to be needed, say because the log did reach back after all. */
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

static void look_after(struct region_replica *p)
{
    region__revoke(p);
    clear_leftovers(p);
    region__hurry(p);
    region__lock(p->rs);
    bool wants =
        !p->failed && !p->gone &&
        ((p->serving && !atomic_load(&p->ready)) || (p->committed > p->applied && !p->in_flight));
    region__unlock(p->rs);
    if (wants)
        region__want_work(p);
    uint64_t bytes = 0;
    if (region__enter_store(p)) {
        bytes = store_wal_bytes(p->store);
        region__leave_store(p);
    }
    bool quiet = bytes == p->quiet_bytes;
    p->quiet_bytes = bytes;
    if (bytes >= CHECKPOINT_BYTES || (bytes && quiet))
        checkpoint(p);
}

static void publish(struct regions *rs, struct region_replica **all, size_t n)
{
    int64_t tables = 0, records = 0, bytes = 0;
    const struct catalog_view *view = catalog_view(rs->catalog);
    for (size_t i = 0; i < n; i++) {
        struct region_replica *p = all[i];
        if (!region__enter_store(p))
            continue;
        bytes += (int64_t)store_file_bytes(p->store);
        for (size_t k = 0; k < view->n_tables; k++) {
            int64_t rows = 0;
            if (view->tables[k]->region != p->id)
                continue;
            tables++;
            struct error *e = store_row_count(p->store, view->tables[k]->name, &rows);
            if (!e)
                records += rows;
            error_free(e); /* the file does not have the table yet */
        }
        region__leave_store(p);
    }
    catalog_unref(view);
    catalog_update_info(rs->catalog, tables, records, bytes, atomic_load(&rs->disk_failed));
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

void *region__upkeep(void *arg)
{
    struct regions *rs = arg;
    bool told = false;
    for (unsigned period = 0; !atomic_load(&rs->stopping); period++) {
        size_t n;
        struct region_replica **all = region__all(rs, &n);
        for (size_t i = 0; i < n; i++)
            look_after(all[i]);
        relieve_log(rs);
        region__sync_log(rs); /* truncations, and anything that nobody waited for */
        bool failed = atomic_load(&rs->disk_failed);
        if (period % INFO_EVERY == 0 || failed != told)
            publish(rs, all, n);
        told = failed;
        for (size_t i = 0; i < n; i++)
            region__put(all[i]);
        mem_free(all);
        try_disk(rs);
        for (unsigned ms = 0; ms < PERIOD_MS && !atomic_load(&rs->stopping); ms += 50)
            sleep_ms(50);
    }
    return NULL;
}
