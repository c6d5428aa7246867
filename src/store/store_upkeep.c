/*
 * Upkeep: moving SQLite's WAL into the file, and numbers for those who plan.
 *
 * A checkpoint runs on its own connection, beside readers and the writer. It can't start the WAL
 * over while somebody reads or writes in it; so that a busy region's WAL doesn't grow without end,
 * a long one is reset with the writer held back for that moment: passes are made before until
 * little is left to move.
 *
 * A pass writes thousands of pages and then syncs them; were they handed to the disk all at once,
 * the log, for which writers wait, would queue behind them. So they are handed over piece by piece,
 * with pauses, before each of SQLite's syncs (store_pace).
 */
#include "store_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    RESET_WAIT_MS = 50,    /* how long to wait for the writer, and for readers in it */
    PASSES = 6,            /* before a reset */
    LITTLE = 1024 * 1024,  /* to be moved while the writer is held back */
    PIECE = 1024 * 1024,   /* handed to the disk at once */
    PAUSE_MAX_US = 100000, /* after a piece: as long as it took */
};

int store__reset_pages = 16000;

/* ---- pacing ------------------------------------------------------------------------------- */

/* The file's methods as the checker sees them: its sync is ours. */
struct store_pace {
    sqlite3_io_methods methods; /* first */
    const sqlite3_io_methods *usual;
    int fd; /* of the database file; closed behind SQLite's, whose locks that would drop */
    bool on;
};

/* Writes out what the kernel holds of the file; what is clean costs next to nothing. */
static void write_out(int fd)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return;
    for (off_t at = 0; at < st.st_size; at += PIECE) {
        uint64_t began = clock_us();
        sync_file_range(fd, at, PIECE,
                        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                            SYNC_FILE_RANGE_WAIT_AFTER);
        uint64_t took = clock_us() - began;
        if (took >= 1000)
            sleep_ms((unsigned)(MIN(took, (uint64_t)PAUSE_MAX_US) / 1000));
    }
}

static int paced_sync(sqlite3_file *f, int flags)
{
    const struct store_pace *pace = (const struct store_pace *)f->pMethods;
    if (pace->on)
        write_out(pace->fd);
    return pace->usual->xSync(f, flags);
}

static struct error *open_checker(struct store *s)
{
    sqlite3_file *f = NULL;
    TRY(store__connect(s, s->path, STORE_CHECKER, &s->checker));
    sqlite3_busy_timeout(s->checker->db, RESET_WAIT_MS);
    sqlite3_file_control(s->checker->db, "main", SQLITE_FCNTL_FILE_POINTER, &f);
    if (!f)
        return NULL;
    s->pace = NEW(struct store_pace);
    *s->pace = (struct store_pace){.methods = *f->pMethods, .usual = f->pMethods};
    s->pace->methods.xSync = paced_sync;
    s->pace->fd = open(s->path, O_RDWR | O_CLOEXEC);
    f->pMethods = &s->pace->methods;
    return NULL;
}

void store__close_checker(struct store *s)
{
    store__disconnect(s->checker);
    s->checker = NULL;
}

void store__forget_pace(struct store *s)
{
    if (s->pace)
        fd_closep(&s->pace->fd);
    mem_free(s->pace);
    s->pace = NULL;
}

/* Before SQLite syncs its WAL: another descriptor of that one may be closed at any time. */
static void write_out_wal(struct store *s)
{
    _cleanup_(mem_freep) char *path = mem_printf("%s-wal", s->path);
    _cleanup_(fd_closep) int fd = open(path, O_RDWR | O_CLOEXEC);
    write_out(fd);
}

/* ---- checkpoints -------------------------------------------------------------------------- */

/* The commits in the WAL are durable when its file is: SQLite reads it at the next opening.
 * (Closing another descriptor of the database file would drop SQLite's locks; of the WAL it
 * doesn't.) */
static struct error *sync_wal(struct store *s)
{
    _cleanup_(mem_freep) char *path = mem_printf("%s-wal", s->path);
    _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return error_errno(E_IO, errno, "could not open file \"%s\"", path);
    if (fd >= 0 && fsync(fd) != 0)
        return error_errno(E_IO, errno, "could not sync file \"%s\"", path);
    return store__sync_directory(s->dir);
}

static struct error *checkpoint(struct store *s, int mode, bool *ret_busy)
{
    int in_wal = 0, moved = 0;
    pthread_mutex_lock(&s->lock);
    uint64_t commits = s->commits;
    pthread_mutex_unlock(&s->lock);
    int rc = sqlite3_wal_checkpoint_v2(s->checker->db, "main", mode, &in_wal, &moved);
    *ret_busy = rc == SQLITE_BUSY;
    if (rc && rc != SQLITE_BUSY)
        return store__error(s->checker->db, rc, s->path);
    if (in_wal >= 0) {
        pthread_mutex_lock(&s->lock);
        s->wal_pages = s->commits == commits ? in_wal : MAX(s->wal_pages, in_wal);
        s->wal_pages_moved = moved;
        if (mode == SQLITE_CHECKPOINT_RESTART && !*ret_busy)
            s->wal_pages = s->wal_pages_moved = 0;
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

/* Holds back new transactions and waits for the one that is open; false when that takes long. */
static bool close_gate(struct store *s)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += RESET_WAIT_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_mutex_lock(&s->lock);
    s->restarting = true;
    int rc = 0;
    while (s->writing && rc == 0)
        rc = pthread_cond_clockwait(&s->gate, &s->lock, CLOCK_MONOTONIC, &until);
    bool closed = !s->writing;
    pthread_mutex_unlock(&s->lock);
    return closed;
}

static void open_gate(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    s->restarting = false;
    pthread_cond_broadcast(&s->gate);
    pthread_mutex_unlock(&s->lock);
}

/* It is long, and nobody is known to read in it for long. */
static bool should_reset(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    bool should = s->wal_pages > store__reset_pages && !s->snapshots;
    pthread_mutex_unlock(&s->lock);
    return should;
}

static struct error *pass(struct store *s, bool *ret_busy)
{
    write_out_wal(s);
    if (s->pace)
        s->pace->on = true;
    struct error *e = checkpoint(s, SQLITE_CHECKPOINT_PASSIVE, ret_busy);
    if (s->pace)
        s->pace->on = false;
    return e;
}

static struct error *checkpoint_locked(struct store *s, uint64_t *ret_durable_lsn)
{
    bool busy;
    if (!s->checker)
        TRY(open_checker(s));
    pthread_mutex_lock(&s->lock);
    uint64_t applied = s->meta.applied_lsn;
    pthread_mutex_unlock(&s->lock);
    TRY(pass(s, &busy));
    for (int i = 1; i < PASSES && should_reset(s) && store_wal_bytes(s) > LITTLE; i++)
        TRY(pass(s, &busy));
    if (busy || store_wal_bytes(s))
        TRY(sync_wal(s)); /* else SQLite has moved all of it, and synced the file */
    if (should_reset(s)) {
        struct error *e = close_gate(s) ? checkpoint(s, SQLITE_CHECKPOINT_RESTART, &busy) : NULL;
        open_gate(s);
        TRY(e);
    }
    *ret_durable_lsn = applied;
    return NULL;
}

struct error *store_checkpoint(struct store *s, uint64_t *ret_durable_lsn)
{
    pthread_mutex_lock(&s->checkpoint_lock);
    struct error *e = checkpoint_locked(s, ret_durable_lsn);
    pthread_mutex_unlock(&s->checkpoint_lock);
    return e;
}

uint64_t store_wal_bytes(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    int pages = MAX(s->wal_pages - s->wal_pages_moved, 0);
    pthread_mutex_unlock(&s->lock);
    return (uint64_t)pages * STORE_PAGE;
}

uint64_t store_file_bytes(struct store *s)
{
    struct stat st;
    return stat(s->path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* ---- counts ------------------------------------------------------------------------------- */

/* A table of the name is as it was when it was counted. */
static bool holds(const struct store *s, const struct store_count *c)
{
    return c->rows >= 0 && c->commits >= MAX(c->written, s->ddl_commit);
}

/* Counting reads an index from end to end. A count is good until the table changes, for a moment,
 * or for a hundred times what it took. */
static bool is_fresh(const struct store *s, const struct store_count *c)
{
    return holds(s, c) ||
           (c->rows >= 0 && clock_ms() - c->counted_ms < MAX((uint64_t)100, 100 * c->cost_ms));
}

void store__age_counts(struct store *s, uint64_t commit)
{
    if (!s->written)
        return;
    pthread_mutex_lock(&s->lock);
    for (struct store_table *t; (t = s->written);) {
        struct store_count *c = map_get_str(&s->counts, t->name);
        if (c)
            c->written = commit;
        s->written = t->next_written;
        t->next_written = NULL;
        t->written = false;
    }
    pthread_mutex_unlock(&s->lock);
}

/* Those of before the last change of the schema: maybe their tables are gone. `lock` held. */
static void throw_old_counts_away(struct store *s)
{
    struct map kept = {0};
    const char *name;
    size_t len;
    void *count;
    for (size_t i = 0; map_next_key(&s->counts, &i, &name, &len, &count);) {
        const struct store_count *c = count;
        if (c->rows < 0 || c->commits >= s->ddl_commit)
            map_put(&kept, name, len, count);
        else
            mem_free(count);
    }
    map_done(&s->counts);
    s->counts = kept;
    s->counts_kept = kept.len;
}

/* The table's entry, so that changes from now on are noted. `lock` held. */
static struct store_count *count_of(struct store *s, const char *table)
{
    struct store_count *c = map_get_str(&s->counts, table);
    if (c)
        return c;
    if (s->counts.len >= 2 * s->counts_kept + 1024)
        throw_old_counts_away(s);
    c = NEW(struct store_count);
    c->rows = -1;
    map_put_str(&s->counts, table, c);
    return c;
}

static struct error *count_rows(struct store_conn *c, const char *table, int64_t *ret)
{
    sqlite3_stmt *stmt;
    char *sql = sqlite3_mprintf("SELECT count(*) FROM main.\"%w\"", table);
    if (!sql)
        return error_new(E_OUT_OF_MEMORY, "out of memory");
    struct error *e = store_prepare(c, sql, strlen(sql), &stmt);
    sqlite3_free(sql);
    TRY(e);
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int64(stmt, 0);
    else
        e = types_sqlite_error(c->db, rc);
    store_release(c, stmt);
    return e;
}

static void remember_count(struct store *s, const char *table, int64_t rows, uint64_t commits,
                           uint64_t started)
{
    pthread_mutex_lock(&s->lock);
    struct store_count *c = count_of(s, table);
    c->rows = rows;
    c->commits = commits;
    c->counted_ms = clock_ms();
    c->cost_ms = c->counted_ms - started;
    pthread_mutex_unlock(&s->lock);
}

static void forget_count(struct store *s, const char *table)
{
    pthread_mutex_lock(&s->lock);
    mem_free(map_remove_str(&s->counts, table));
    pthread_mutex_unlock(&s->lock);
}

struct error *store_row_count(struct store *s, const char *table, int64_t *ret)
{
    pthread_mutex_lock(&s->lock);
    const struct store_count *known = count_of(s, table);
    bool fresh = is_fresh(s, known);
    uint64_t commits = s->commits;
    if (fresh)
        *ret = known->rows;
    pthread_mutex_unlock(&s->lock);
    if (fresh)
        return NULL;
    struct store_conn *c = NULL;
    uint64_t started = clock_ms();
    int64_t rows = 0;
    struct error *e = store_get_reader(s, &c);
    if (e) {
        forget_count(s, table);
        return e;
    }
    e = count_rows(c, table, &rows);
    store_put_reader(s, c);
    if (e)
        forget_count(s, table);
    TRY(e);
    remember_count(s, table, rows, commits, started);
    *ret = rows;
    return NULL;
}

bool store_known_rows(struct store *s, const char *table, int64_t *ret)
{
    pthread_mutex_lock(&s->lock);
    const struct store_count *known = map_get_str(&s->counts, table);
    bool counted = known && known->rows >= 0;
    if (counted)
        *ret = known->rows;
    pthread_mutex_unlock(&s->lock);
    return counted;
}

bool store_count_is_due(struct store *s, const char *table)
{
    pthread_mutex_lock(&s->lock);
    const struct store_count *known = map_get_str(&s->counts, table);
    bool due = !known || !is_fresh(s, known);
    pthread_mutex_unlock(&s->lock);
    return due;
}

bool store_counts_hold(struct store *s)
{
    bool hold = true;
    void *count;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; map_next(&s->counts, &i, &count);)
        hold &= holds(s, count) || ((struct store_count *)count)->rows < 0;
    pthread_mutex_unlock(&s->lock);
    return hold;
}

void store__forget_counts(struct store *s)
{
    void *count;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; map_next(&s->counts, &i, &count);)
        mem_free(count);
    map_done(&s->counts);
    s->counts = (struct map){0};
    pthread_mutex_unlock(&s->lock);
}
