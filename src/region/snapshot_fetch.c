/*
 * The receiving side of a snapshot (snapshot.c): a thread for each that is under way, of which
 * FETCHING_MAX do something.
 *
 *   WAITING --> PREPARING --> RECEIVING --> COMPARING --> INSTALLING --> done
 *                  what is      scans       last pass      checked, put in the file's place
 *                  here is hashed
 *
 * Whatever fails, region-N.incoming stays, and the next attempt goes on from it; only when its
 * content turns out to be no sound file, it begins anew. The file goes when the replica does, and
 * when the replica turns out not to need it (region__clear_leftovers).
 */
#include "region/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    FETCHING_MAX = 2,
    WAIT_MS = 100,
    SILENCE_MS = 10 * 1000, /* of the sender, who reports four times a second */
    POLL_MS = 250,
    RETRY_MIN_MS = 500,
    RETRY_MAX_MS = 20 * 1000,
    RATE_MS = 1000,                    /* a rate is of that long */
    FLUSH_BYTES = 8 * 1024 * 1024,     /* handed to the disk at a time, so that no sync of the log
                                          meets a mountain of it */
    RESERVE_PARTS = 20,                /* a part of the disk stays free for the log .. */
    RESERVE_BYTES = 256 * 1024 * 1024, /* .. this much of a large one */
    CHECK_PAGES = 4096,                /* between looks at the room that is left */
};

struct fetch {
    struct region_replica *p;
    char *from;
    char *path; /* region-N.incoming */
    int fd;
    struct hasher hasher;
    ZSTD_DCtx *zstd;
    struct page_list ours;
    uint64_t total;     /* pages that there will be, as far as known */
    uint64_t unflushed; /* bytes */
    uint64_t written;   /* pages */
    uint64_t rate_at, rate_done;
    bool ended;
};

/* ---- progress ---------------------------------------------------------------------------------
 */

static void enter(struct fetch *f, enum region_fetch_state state)
{
    region__lock(f->p->rs);
    struct region_fetch *now = &f->p->fetch;
    now->state = state;
    now->done = 0;
    now->rate = 0;
    f->rate_at = clock_ms();
    f->rate_done = 0;
    region__unlock(f->p->rs);
}

static void report(struct fetch *f, uint64_t done)
{
    uint64_t ms = clock_ms() - f->rate_at;
    region__lock(f->p->rs);
    struct region_fetch *now = &f->p->fetch;
    now->done = done * STORE_PAGE;
    now->total = f->total * STORE_PAGE;
    if (ms >= RATE_MS || !now->rate) {
        uint64_t rate =
            done > f->rate_done ? (now->done - f->rate_done * STORE_PAGE) * 1000 / MAX(ms, 1u) : 0;
        now->rate = now->rate ? (now->rate + rate) / 2 : rate;
        if (ms >= RATE_MS) {
            f->rate_at += ms;
            f->rate_done = done;
        }
    }
    region__unlock(f->p->rs);
}

static bool should_stop(struct fetch *f)
{
    struct regions *rs = f->p->rs;
    region__lock(rs);
    bool stop = f->p->gone || f->p->role != REPL_LEARNER || atomic_load(&rs->stopping);
    region__unlock(rs);
    return stop;
}

static struct error *stopped(void)
{
    return error_new(E_CANCELED, "it is not needed any more");
}

/* Others' snapshots are under way: ours has its turn later. */
static struct error *take_turn(struct fetch *f)
{
    struct regions *rs = f->p->rs;
    for (;;) {
        int n = atomic_load(&rs->fetching);
        if (n < FETCHING_MAX && atomic_compare_exchange_strong(&rs->fetching, &n, n + 1))
            return NULL;
        if (should_stop(f))
            return stopped();
        sleep_ms(WAIT_MS);
    }
}

/* ---- the incoming file ------------------------------------------------------------------------
 */

static struct error *file_error(const struct fetch *f, const char *what)
{
    return error_errno(errno == ENOSPC ? E_DISK_FULL : E_IO, errno, "could not %s \"%s\"", what,
                       f->path);
}

/* A full disk would stop every region of this server, so room is left for their log. */
static struct error *check_room(const struct fetch *f)
{
    struct statvfs v;
    struct stat st;
    if (fstatvfs(f->fd, &v) != 0 || fstat(f->fd, &st) != 0)
        return file_error(f, "look at");
    uint64_t size = (uint64_t)v.f_blocks * v.f_frsize, free = (uint64_t)v.f_bavail * v.f_frsize;
    uint64_t reserve = MIN(size / RESERVE_PARTS, (uint64_t)RESERVE_BYTES);
    uint64_t whole = f->total * STORE_PAGE, has = (uint64_t)st.st_blocks * 512;
    uint64_t need = whole > has ? whole - has : 0;
    if (free >= need + reserve)
        return NULL;
    return error_hint(error_new(E_DISK_FULL,
                                "no room for the copy: it takes %llu MB more, %llu MB are free",
                                (unsigned long long)(need >> 20), (unsigned long long)(free >> 20)),
                      "Make room; it goes on by itself. %llu MB are left for the log.",
                      (unsigned long long)(reserve >> 20));
}

/* Starts writing what has gathered, and returns at once. */
static void flush_some(struct fetch *f, uint64_t bytes)
{
    f->unflushed += bytes;
    if (f->unflushed < FLUSH_BYTES)
        return;
    f->unflushed = 0;
    sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

static struct error *write_page(struct fetch *f, uint64_t number, const void *page)
{
    const char *p = page;
    for (size_t n = 0; n < STORE_PAGE;) {
        ssize_t rc = pwrite(f->fd, p + n, STORE_PAGE - n, (off_t)(number * STORE_PAGE + n));
        if (rc < 0 && errno != EINTR)
            return file_error(f, "write");
        n += rc > 0 ? (size_t)rc : 0;
    }
    page_list_set(&f->ours, number, page_hash(&f->hasher, page));
    flush_some(f, STORE_PAGE);
    if (++f->written % CHECK_PAGES == 0)
        return check_room(f);
    return NULL;
}

/* A page of what is here already. */
static struct error *prepare_page(void *ctx, uint64_t number, const void *page)
{
    struct fetch *f = ctx;
    if (number % 1024 == 0) {
        report(f, number);
        if (should_stop(f))
            return stopped();
    }
    return write_page(f, number, page);
}

static struct error *hash_page(void *ctx, uint64_t number, const void *page)
{
    struct fetch *f = ctx;
    if (number % 1024 == 0) {
        report(f, number);
        if (should_stop(f))
            return stopped();
    }
    page_list_set(&f->ours, number, page_hash(&f->hasher, page));
    return NULL;
}

static struct error *each_page(struct fetch *f, int fd, store_page_fn *page)
{
    _cleanup_(mem_freep) char *bytes = mem_alloc(STORE_PAGE);
    for (uint64_t number = 0;; number++) {
        ssize_t n = pread(fd, bytes, STORE_PAGE, (off_t)(number * STORE_PAGE));
        if (n < 0)
            return file_error(f, "read");
        if (n < STORE_PAGE)
            return NULL; /* a part of a page is as good as none */
        TRY(page(f, number, bytes));
    }
}

/* Begins with what this server had of the region: a damaged file, or the replica's own. */
static struct error *copy_what_is_here(struct fetch *f)
{
    struct region_replica *p = f->p;
    _cleanup_(mem_freep) char *damaged =
        mem_printf("%s/region-%llu.db.damaged", p->rs->dir, (unsigned long long)p->id);
    _cleanup_(fd_closep) int fd = open(damaged, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0) {
        f->total = (uint64_t)st.st_size / STORE_PAGE;
        TRY(check_room(f));
        return each_page(f, fd, prepare_page);
    }
    if (!region__enter_store(p))
        return NULL;
    f->total = store_file_bytes(p->store) / STORE_PAGE;
    struct error *e = check_room(f);
    region__touch(p);
    if (!e)
        e = store_scan(p->store, prepare_page, f);
    region__leave_store(p);
    return e;
}

static struct error *prepare(struct fetch *f)
{
    struct stat st;
    enter(f, REGION_FETCH_PREPARING);
    f->fd = open(f->path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (f->fd < 0 || fstat(f->fd, &st) != 0)
        return file_error(f, "open");
    if (flock(f->fd, LOCK_EX | LOCK_NB) != 0) /* by what the replica's predecessor had begun */
        return file_error(f, "lock");
    if (!st.st_size)
        return copy_what_is_here(f);
    f->total = (uint64_t)st.st_size / STORE_PAGE;
    return each_page(f, f->fd, hash_page);
}

/* ---- the conversation -------------------------------------------------------------------------
 */

static struct error *cut_short(PGconn *conn)
{
    return error_new(E_CONNECTION, "the connection was cut: %s", PQerrorMessage(conn));
}

static struct error *send_list(struct fetch *f, PGconn *conn)
{
    _cleanup_(buf_done) struct buf b = {0};
    for (uint64_t at = 0; at < f->ours.n; at += SNAPSHOT_HASHES) {
        uint64_t n = MIN((uint64_t)SNAPSHOT_HASHES, f->ours.n - at);
        snapshot_put(&b, &(struct snapshot_message){.kind = SNAPSHOT_HAVE,
                                                    .n = (uint32_t)n,
                                                    .hashes = f->ours.pages + at});
        if (PQputCopyData(conn, b.data, (int)b.len) != 1)
            return cut_short(conn);
    }
    return PQputCopyEnd(conn, NULL) == 1 && PQflush(conn) == 0 ? NULL : cut_short(conn);
}

static struct error *on_progress(struct fetch *f, const struct snapshot_message *m)
{
    if (m->pages > f->total || f->p->fetch.state == REGION_FETCH_PREPARING) {
        f->total = m->pages;
        TRY(check_room(f));
    }
    if (f->p->fetch.state == REGION_FETCH_PREPARING)
        enter(f, REGION_FETCH_RECEIVING);
    if (m->last_pass && f->p->fetch.state != REGION_FETCH_COMPARING)
        enter(f, REGION_FETCH_COMPARING);
    report(f, MIN(m->done, m->pages));
    return NULL;
}

static struct error *on_pages(struct fetch *f, const struct snapshot_message *m)
{
    _cleanup_(mem_freep) char *pages = mem_alloc(m->n * SNAPSHOT_PAGE);
    TRY(snapshot_unpack(f->zstd, m, pages));
    for (uint32_t i = 0; i < m->n; i++) {
        struct reader r = reader_of(pages + (size_t)i * SNAPSHOT_PAGE, SNAPSHOT_PAGE);
        uint64_t number = read64(&r);
        if (number >= f->total)
            return error_new(E_PROTOCOL, "a snapshot has more pages than it said");
        TRY(write_page(f, number, read_bytes(&r, STORE_PAGE)));
    }
    return NULL;
}

static struct error *on_end(struct fetch *f, const struct snapshot_message *m)
{
    uint8_t digest[sizeof(m->digest)];
    if (m->pages > f->total)
        return error_new(E_PROTOCOL, "a snapshot has more pages than it said");
    page_list_resize(&f->ours, m->pages);
    page_list_digest(&f->ours, &f->hasher, digest);
    if (memcmp(digest, m->digest, sizeof(digest)) != 0)
        return error_new(E_DAMAGED, "what was received is not what was sent");
    if (ftruncate(f->fd, (off_t)(m->pages * STORE_PAGE)) != 0 || fdatasync(f->fd) != 0)
        return file_error(f, "write");
    f->ended = true;
    return NULL;
}

static struct error *on_message(struct fetch *f, const char *data, size_t len)
{
    struct snapshot_message m;
    TRY(snapshot_get(data, len, &m));
    region__lock(f->p->rs);
    f->p->fetch.received += len;
    region__unlock(f->p->rs);
    switch (m.kind) {
    case SNAPSHOT_PROGRESS:
        return on_progress(f, &m);
    case SNAPSHOT_PAGES:
        return on_pages(f, &m);
    case SNAPSHOT_END:
        return on_end(f, &m);
    default:
        return error_new(E_PROTOCOL, "a message of a snapshot is out of place");
    }
}

/* Waits for input; an error when there is none for long, or nobody wants it any more. */
static struct error *await_input(struct fetch *f, PGconn *conn)
{
    struct pollfd fd = {.fd = PQsocket(conn), .events = POLLIN};
    for (unsigned ms = 0;; ms += POLL_MS) {
        int n = poll(&fd, 1, POLL_MS);
        if (should_stop(f))
            return stopped();
        if (n > 0)
            return PQconsumeInput(conn) ? NULL : cut_short(conn);
        if (ms >= SILENCE_MS)
            return error_new(E_CONNECTION, "nothing was heard for %d s", SILENCE_MS / 1000);
    }
}

static struct error *receive(struct fetch *f, PGconn *conn)
{
    for (;;) {
        char *data = NULL;
        int n = PQgetCopyData(conn, &data, 1);
        if (n == 0) {
            TRY(await_input(f, conn));
            continue;
        }
        if (n < 0)
            break;
        struct error *e = on_message(f, data, (size_t)n);
        PQfreemem(data);
        TRY(e);
    }
    PGresult *result = PQgetResult(conn);
    bool complete = result && PQresultStatus(result) == PGRES_COMMAND_OK && f->ended;
    PQclear(result);
    return complete ? NULL : cut_short(conn);
}

static struct error *download(struct fetch *f)
{
    char command[64];
    snprintf(command, sizeof(command), "SNAPSHOT %llu", (unsigned long long)f->p->id);
    PGconn *conn = NULL;
    TRY(region__connect(f->p->rs, f->from, command, &conn));
    struct error *e = send_list(f, conn);
    if (!e)
        e = receive(f, conn);
    PQfinish(conn);
    return e;
}

/* ---- installing -------------------------------------------------------------------------------
 */

static void drop_file(struct region_replica *p, const char *suffix)
{
    _cleanup_(mem_freep) char *path =
        mem_printf("%s/region-%llu%s", p->rs->dir, (unsigned long long)p->id, suffix);
    if (unlink(path) != 0 && errno != ENOENT)
        log_warn("could not remove \"%s\"", path);
}

void region__clear_leftovers(struct region_replica *p)
{
    drop_file(p, ".incoming-wal"); /* of a check that a crash interrupted */
    drop_file(p, ".incoming");
    drop_file(p, ".db.damaged");
    drop_file(p, ".db-wal.damaged");
}

/* Unless the replica was dropped; from here on, whoever drops it waits. */
static bool begin_placing(struct region_replica *p)
{
    region__lock(p->rs);
    p->placing = !p->gone;
    bool placing = p->placing;
    region__unlock(p->rs);
    return placing;
}

static void end_placing(struct region_replica *p)
{
    region__lock(p->rs);
    p->placing = false;
    pthread_cond_broadcast(&p->changed);
    region__unlock(p->rs);
}

/* Puts the file in the place of the old one. The writer is owned, so nobody else writes; readers
 * are gone, for a learner serves none. */
static struct error *put_in_place(struct region_replica *p, const char *path,
                                  const struct store_meta *meta)
{
    struct regions *rs = p->rs;
    if (!begin_placing(p))
        return stopped();
    atomic_store(&p->installing, true);
    while (atomic_load(&p->users))
        sleep_ms(1);
    p->parts_open = false;
    buf_done(&p->fragments);
    p->doubt = (struct region_doubt){0};
    store_close(p->store);
    p->store = NULL;
    p->described = false;
    struct error *e = store_install(rs->dir, p->id, path);
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
    end_placing(p);
    return e;
}

/* What is applied here is not undone by an older copy, unless what is here is worth nothing. */
static struct error *check_newer(struct region_replica *p, const struct store_meta *meta)
{
    struct repl_status status = {.damaged = true};
    region__lock(p->rs);
    uint64_t applied = p->applied;
    if (!p->gone)
        repl_get_status(p->rs->core, p->core, &status);
    region__unlock(p->rs);
    if (status.damaged || meta->applied_lsn >= applied)
        return NULL;
    return error_new(E_UNAVAILABLE, "the snapshot is older than what is here");
}

static struct error *install(struct fetch *f, struct store_meta *meta)
{
    struct region_replica *p = f->p;
    enter(f, REGION_FETCH_INSTALLING);
    TRY(store_check(f->path, p->rs->cluster, p->id, meta));
    TRY(region__own(p, &p->rs->stopping));
    struct error *e = check_newer(p, meta);
    if (!e)
        e = put_in_place(p, f->path, meta);
    region__disown(p);
    if (!e)
        region__clear_leftovers(p);
    return e;
}

/* ---- the thread -------------------------------------------------------------------------------
 */

static struct error *fetch_and_install(struct fetch *f, struct store_meta *meta)
{
    TRY(take_turn(f));
    struct error *e = prepare(f);
    if (!e)
        e = download(f);
    if (!e)
        e = install(f, meta);
    if (error_is(e, E_DAMAGED)) /* what it began with may have been */
        unlink(f->path);
    atomic_fetch_sub(&f->p->rs->fetching, 1);
    return e;
}

static void log_outcome(const struct fetch *f, const struct error *e, const struct store_meta *meta)
{
    unsigned long long id = f->p->id, received = f->p->fetch.received;
    if (error_is(e, E_CANCELED))
        log_info("region=%llu: the snapshot from %s was broken off: %s", id, f->from, e->message);
    else if (e)
        log_failure(LOG_WARN, e, "region=%llu: snapshot from %s", id, f->from);
    else
        log_info("region=%llu: snapshot installed, lsn=%llu, %llu pages, %llu bytes received", id,
                 (unsigned long long)meta->applied_lsn, (unsigned long long)f->ours.n, received);
}

/* Tells the core; remembers why it failed, and when it may be tried again. core_mutex held. */
static void conclude(struct region_replica *p, const struct error *e, const struct store_meta *meta)
{
    struct region_fetch *now = &p->fetch;
    bool moved = now->done > now->done_before;
    now->done_before = now->done;
    now->state = REGION_FETCH_NONE;
    if (!e) {
        *now = (struct region_fetch){0};
        p->applied = meta->applied_lsn;
        p->applied_epoch = meta->applied_epoch;
        p->committed = meta->applied_lsn;
    } else {
        now->wait_ms =
            moved ? RETRY_MIN_MS
                  : MIN(MAX(now->wait_ms * 2, (unsigned)RETRY_MIN_MS), (unsigned)RETRY_MAX_MS);
        now->not_before = clock_ms() + now->wait_ms;
        snprintf(now->error, sizeof(now->error), "%s", e->message);
    }
    if (!p->gone)
        repl_snapshot_done(p->rs->core, clock_ms(), p->core, !e, meta->applied_lsn,
                           meta->applied_epoch);
}

static void fetch_free(struct fetch *f)
{
    hasher_done(&f->hasher);
    ZSTD_freeDCtx(f->zstd);
    page_list_done(&f->ours);
    if (f->fd >= 0)
        close(f->fd);
    region__put(f->p);
    mem_free(f->from);
    mem_free(f->path);
    mem_free(f);
}

/* The log's entries belong to the history that the snapshot replaced. */
static struct error *forget_log(struct region_replica *p)
{
    uint64_t position;
    TRY(wal_truncate(p->rs->wal, p->id, 0, &position));
    return wal_sync(p->rs->wal, position);
}

static void *fetch_thread(void *arg)
{
    struct fetch *f = arg;
    struct region_replica *p = f->p;
    struct regions *rs = p->rs;
    struct store_meta meta = {0};
    log_info("region=%llu: fetching a snapshot from %s", (unsigned long long)p->id, f->from);
    struct error *e = fetch_and_install(f, &meta);
    if (!e) {
        e = forget_log(p);
        if (e) /* the file is ahead of what the core knows of it: only a start can tell it */
            region__fail(p, e);
    }
    log_outcome(f, e, &meta);
    region__lock(rs);
    conclude(p, e, &meta);
    bool gone = p->gone;
    region__unlock(rs);
    if (gone)
        unlink(f->path); /* it may have been made after the rest was deleted */
    else
        region__want_work(p);
    error_free(e);
    fetch_free(f);
    atomic_fetch_sub(&rs->snapshots, 1);
    return NULL;
}

static struct fetch *fetch_new(struct region_replica *p, const char *from)
{
    struct fetch *f = NEW(struct fetch);
    f->p = p;
    f->from = mem_strdup(from);
    f->path = mem_printf("%s/region-%llu.incoming", p->rs->dir, (unsigned long long)p->id);
    f->fd = -1;
    f->zstd = ZSTD_createDCtx();
    hasher_init(&f->hasher);
    atomic_fetch_add(&p->refs, 1);
    return f;
}

/* From inside the core (core_mutex held), which asks again from time to time. */
void region__fetch_snapshot(struct region_replica *p, const char *from)
{
    if (p->fetch.state != REGION_FETCH_NONE || clock_ms() < p->fetch.not_before)
        return;
    struct fetch *f = fetch_new(p, from);
    p->leftovers = true;
    p->fetch.state = REGION_FETCH_WAITING;
    p->fetch.received = 0;
    atomic_fetch_add(&p->rs->snapshots, 1);
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (!f->zstd || pthread_create(&thread, &attr, fetch_thread, f) != 0) {
        p->fetch.state = REGION_FETCH_NONE;
        atomic_fetch_sub(&p->rs->snapshots, 1);
        fetch_free(f);
    }
    pthread_attr_destroy(&attr);
}
