/*
 * Snapshots: a learner whose primary's log does not reach back far enough fetches the region's
 * whole file. It streams in over a connection of its own into a file beside the old one, is
 * checked, and takes its place.
 */
#include "region/region_int.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

struct error *region_send_snapshot(struct regions *rs, uint64_t region,
                                   struct error *(*emit)(void *ctx, const void *data, size_t len),
                                   void *ctx)
{
    struct region_replica *p = NULL;
    TRY(region__find(rs, region, &p));
    struct store_meta meta;
    struct error *e = NULL;
    if (!region__enter_store(p)) {
        e = region__not_primary(p);
    } else {
        e = atomic_load(&p->ready) ? store_snapshot(p->store, emit, ctx, &meta)
                                   : region__not_primary(p);
        region__leave_store(p);
    }
    region__put(p);
    return e;
}

struct fetch {
    struct region_replica *p;
    char *from;
};

static struct error *write_all(int fd, const char *data, size_t len, const char *path)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(errno == ENOSPC ? E_DISK_FULL : E_IO, errno,
                               "could not write \"%s\"", path);
        data += n;
        len -= (size_t)n;
    }
    return NULL;
}

static struct error *receive(PGconn *conn, int fd, const char *path, const _Atomic bool *stopping)
{
    char *data = NULL;
    int n;
    while ((n = PQgetCopyData(conn, &data, 0)) > 0) {
        struct error *e = write_all(fd, data, (size_t)n, path);
        PQfreemem(data);
        if (e)
            return e;
        if (atomic_load(stopping))
            return error_new(E_SHUTDOWN, "the server is stopping");
    }
    PGresult *result = n == -1 ? PQgetResult(conn) : NULL;
    bool complete = result && PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return complete ? NULL
                    : error_new(E_CONNECTION, "a snapshot was cut short: %s", PQerrorMessage(conn));
}

static struct error *download(struct fetch *f, const char *path)
{
    struct regions *rs = f->p->rs;
    char command[64];
    snprintf(command, sizeof(command), "SNAPSHOT %llu", (unsigned long long)f->p->id);
    struct pg_conn *conn = NULL;
    TRY(region__connect(rs, f->from, command, &conn));
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    struct error *e = fd < 0 ? error_errno(E_IO, errno, "could not create \"%s\"", path)
                             : receive(conn, fd, path, &rs->stopping);
    if (fd >= 0)
        close(fd);
    PQfinish(conn);
    return e;
}

/* Puts the file in the place of the old one. The writer is owned, so nobody else writes; readers
 * are gone, for a learner serves none. */
static struct error *install(struct region_replica *p, const char *path, struct store_meta *meta)
{
    struct regions *rs = p->rs;
    atomic_store(&p->installing, true);
    while (atomic_load(&p->users))
        sleep_ms(1);
    p->parts_open = false;
    buf_done(&p->fragments);
    store_close(p->store);
    p->store = NULL;
    struct error *e = store_install(rs->dir, rs->cluster, p->id, path, meta);
    if (!e)
        region__unmark_damaged(rs, p->id);
    struct error *again = store_open(rs->dir, rs->cluster, p->id, &p->store);
    if (!e)
        e = again;
    else
        error_free(again);
    if (!e)
        atomic_store(&p->file_schema, meta->schema_version);
    atomic_store(&p->installing, false);
    return e;
}

/* What the received file holds; 0 if that can't be told (store_install says why). */
static uint64_t snapshot_lsn(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    uint64_t lsn = 0;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT applied_lsn FROM minisql_meta", -1, &stmt, NULL) ==
            SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        lsn = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return lsn;
}

/* What is applied here is not undone by an older copy, unless what is here is worth nothing. */
static struct error *check_newer(struct region_replica *p, const char *path)
{
    struct repl_status status = {.damaged = true};
    region__lock(p->rs);
    uint64_t applied = p->applied;
    if (!p->gone)
        repl_get_status(p->rs->core, p->core, &status);
    region__unlock(p->rs);
    if (status.damaged || snapshot_lsn(path) >= applied)
        return NULL;
    return error_new(E_UNAVAILABLE, "the snapshot is older than what is here");
}

static struct error *fetch_and_install(struct fetch *f, struct store_meta *meta)
{
    struct region_replica *p = f->p;
    _cleanup_(mem_freep) char *path =
        mem_printf("%s/region-%llu.incoming", p->rs->dir, (unsigned long long)p->id);
    struct error *e = download(f, path);
    if (!e)
        e = region__own(p, &p->rs->stopping);
    if (!e) {
        e = check_newer(p, path);
        if (!e)
            e = install(p, path, meta);
        region__disown(p);
    }
    unlink(path);
    return e;
}

static void *fetch_thread(void *arg)
{
    struct fetch *f = arg;
    struct region_replica *p = f->p;
    struct regions *rs = p->rs;
    struct store_meta meta = {0};
    log_info("region=%llu: fetching a snapshot from %s", (unsigned long long)p->id, f->from);
    struct error *e = fetch_and_install(f, &meta);
    if (e)
        log_failure(LOG_WARN, e, "region=%llu: snapshot from %s", (unsigned long long)p->id,
                    f->from);
    else
        log_info("region=%llu: snapshot installed, lsn=%llu", (unsigned long long)p->id,
                 (unsigned long long)meta.applied_lsn);
    uint64_t position = 0;
    if (!e) /* the log's entries belong to the history that the snapshot replaced */
        e = wal_truncate(rs->wal, p->id, 0, &position);
    if (!e)
        e = wal_sync(rs->wal, position);
    region__lock(rs);
    p->fetching = false;
    if (!e) {
        p->applied = meta.applied_lsn;
        p->applied_epoch = meta.applied_epoch;
        p->committed = meta.applied_lsn;
    }
    if (!p->gone)
        repl_snapshot_done(rs->core, clock_ms(), p->core, !e, meta.applied_lsn, meta.applied_epoch);
    region__unlock(rs);
    if (!e)
        region__want_work(p);
    error_free(e);
    mem_free(f->from);
    mem_free(f);
    region__put(p);
    atomic_fetch_sub(&rs->snapshots, 1);
    return NULL;
}

/* From inside the core (core_mutex held). */
void region__fetch_snapshot(struct region_replica *p, const char *from)
{
    if (p->fetching)
        return;
    p->fetching = true;
    struct fetch *f = NEW(struct fetch);
    f->p = p;
    f->from = mem_strdup(from);
    atomic_fetch_add(&p->refs, 1);
    atomic_fetch_add(&p->rs->snapshots, 1);
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attr, fetch_thread, f) != 0) {
        p->fetching = false; /* the primary asks again */
        atomic_fetch_sub(&p->rs->snapshots, 1);
        atomic_fetch_sub(&p->refs, 1);
        mem_free(f->from);
        mem_free(f);
    }
    pthread_attr_destroy(&attr);
}
