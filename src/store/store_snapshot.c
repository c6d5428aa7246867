/*
 * Snapshots: the pages of the file as of one commit, and putting a file made of them in the file's
 * place.
 *
 * Making. SQLite's backup copies the pages of a read transaction into another database. Here that
 * is one whose file exists in name only: a VFS of our own hands each page that SQLite writes to it
 * to the caller. So nothing is copied on disk, and the writer goes on meanwhile; only SQLite's WAL
 * can't be started over while the read transaction lasts. Who has much to send therefore first
 * sends the pages as they lie in the file (store_scan), which needs no transaction, and then in the
 * snapshot those that differ from what was sent.
 *
 * Installing. An old -wal must never meet the new file, and a crash at any point must leave either
 * file whole:
 *
 *    db, db-wal                      old file in place
 *    db, db.old-wal                    1. the old -wal is set aside
 *    db.old, db.old-wal                2. the old file is set aside
 *    db, db.old, db.old-wal            3. the new file is in place
 *    db, db.old                        4. the old -wal is removed
 *    db                                5. the old file is removed
 *
 * each step synced before the next. store__settle_install goes on from 3, or back from 1 and 2.
 */
#include "store_int.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a database file that only passes on what is written to it ------------------------------ */

struct sink {
    store_page_fn *page;
    void *ctx;
    struct error *error; /* why a write failed */
    sqlite3_int64 size;
    sqlite3_vfs vfs;
    char name[40]; /* of the VFS */
};

struct sink_file {
    sqlite3_file base;
    struct sink *sink;
};

static int sink_close(sqlite3_file *f)
{
    return SQLITE_OK;
}

/* Nothing is kept, and SQLite, which has each page in its cache until it is written, asks for
 * nothing back. */
static int sink_read(sqlite3_file *f, void *data, int n, sqlite3_int64 offset)
{
    const struct sink *sink = ((struct sink_file *)f)->sink;
    memset(data, 0, (size_t)n);
    return offset >= sink->size ? SQLITE_IOERR_SHORT_READ : SQLITE_IOERR_READ;
}

static int sink_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 offset)
{
    struct sink *sink = ((struct sink_file *)f)->sink;
    if (n != STORE_PAGE || offset % STORE_PAGE)
        return SQLITE_IOERR_WRITE;
    error_free(sink->error);
    sink->error = sink->page(sink->ctx, (uint64_t)offset / STORE_PAGE, data);
    sink->size = MAX(sink->size, offset + n);
    return sink->error ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

static int sink_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    ((struct sink_file *)f)->sink->size = size;
    return SQLITE_OK;
}

static int sink_size(sqlite3_file *f, sqlite3_int64 *ret)
{
    *ret = ((struct sink_file *)f)->sink->size;
    return SQLITE_OK;
}

static int sink_sync(sqlite3_file *f, int flags)
{
    return SQLITE_OK;
}

static int sink_lock(sqlite3_file *f, int level)
{
    return SQLITE_OK;
}

static int sink_is_locked(sqlite3_file *f, int *ret)
{
    *ret = 0;
    return SQLITE_OK;
}

static int sink_control(sqlite3_file *f, int op, void *arg)
{
    return SQLITE_NOTFOUND;
}

static int sink_zero(sqlite3_file *f)
{
    return 0;
}

static int sink_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
    static const sqlite3_io_methods methods = {.iVersion = 1,
                                               .xClose = sink_close,
                                               .xRead = sink_read,
                                               .xWrite = sink_write,
                                               .xTruncate = sink_truncate,
                                               .xSync = sink_sync,
                                               .xFileSize = sink_size,
                                               .xLock = sink_lock,
                                               .xUnlock = sink_lock,
                                               .xCheckReservedLock = sink_is_locked,
                                               .xFileControl = sink_control,
                                               .xSectorSize = sink_zero,
                                               .xDeviceCharacteristics = sink_zero};
    f->pMethods = NULL;
    if (!(flags & SQLITE_OPEN_MAIN_DB))
        return SQLITE_CANTOPEN; /* no journal, nothing temporary */
    f->pMethods = &methods;
    ((struct sink_file *)f)->sink = vfs->pAppData;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int sink_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    *ret = 0;
    return SQLITE_OK;
}

static int sink_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    return SQLITE_OK;
}

static int sink_path(sqlite3_vfs *vfs, const char *name, int n, char *ret)
{
    snprintf(ret, (size_t)n, "%s", name);
    return SQLITE_OK;
}

/* A VFS with this one file: SQLite has no other way to tell the file what it is for. */
static struct error *open_sink(struct sink *sink, sqlite3 **ret)
{
    snprintf(sink->name, sizeof(sink->name), "minisql-%p", (void *)sink);
    const sqlite3_vfs *usual = sqlite3_vfs_find("unix");
    sink->vfs = *usual;
    sink->vfs.iVersion = 1;
    sink->vfs.szOsFile = sizeof(struct sink_file);
    sink->vfs.pNext = NULL;
    sink->vfs.zName = sink->name;
    sink->vfs.pAppData = sink;
    sink->vfs.xOpen = sink_open;
    sink->vfs.xAccess = sink_access;
    sink->vfs.xDelete = sink_delete;
    sink->vfs.xFullPathname = sink_path;
    sqlite3_vfs_register(&sink->vfs, 0);
    int rc = sqlite3_open_v2("snapshot", ret,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                             sink->name);
    sqlite3_vfs_unregister(&sink->vfs); /* the connection has it, and needs no name for it */
    if (!rc)
        rc = sqlite3_exec(*ret, "PRAGMA journal_mode = OFF; PRAGMA cache_size = 64", NULL, NULL,
                          NULL);
    return rc ? store__error(*ret, rc, "snapshot") : NULL;
}

/* ---- making ------------------------------------------------------------------------------- */

enum { STEP_PAGES = 256 };

static struct error *copy_pages(struct store_conn *from, sqlite3 *to, const struct sink *sink,
                                uint64_t *ret_pages)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from->db, "main");
    if (!b)
        return store__error(to, sqlite3_errcode(to), from->store->path);
    int rc;
    do
        rc = sqlite3_backup_step(b, STEP_PAGES);
    while (rc == SQLITE_OK);
    *ret_pages = (uint64_t)sqlite3_backup_pagecount(b);
    int finish = sqlite3_backup_finish(b);
    if (sink->error)
        return error_copy(sink->error);
    if (rc == SQLITE_DONE && finish == SQLITE_OK)
        return NULL;
    return store__error(to, rc == SQLITE_DONE ? finish : rc, from->store->path);
}

/* A checkpoint that wants to start the WAL over would wait for us, and writers for it. */
static void count_snapshot(struct store *s, int by)
{
    pthread_mutex_lock(&s->lock);
    s->snapshots += by;
    pthread_mutex_unlock(&s->lock);
}

struct error *store_snapshot(struct store *s, store_page_fn *page, void *ctx,
                             struct store_meta *ret_meta, uint64_t *ret_pages)
{
    struct sink sink = {.page = page, .ctx = ctx};
    struct store_conn *c;
    sqlite3 *to = NULL;
    TRY(store_get_reader(s, &c));
    count_snapshot(s, 1);
    struct error *e = store_reader_begin(c);
    if (!e)
        e = store__read_meta(c->db, s->path, ret_meta);
    if (!e)
        e = open_sink(&sink, &to);
    if (!e)
        e = copy_pages(c, to, &sink, ret_pages);
    sqlite3_close(to);
    store_put_reader(s, c);
    count_snapshot(s, -1);
    error_free(sink.error);
    return e;
}

/* ---- scanning ----------------------------------------------------------------------------- */

static struct error *scan(sqlite3_file *f, const char *path, store_page_fn *page, void *ctx)
{
    enum { AT_ONCE = 64 };
    _cleanup_(mem_freep) char *pages = mem_alloc(AT_ONCE * STORE_PAGE);
    sqlite3_int64 size = 0;
    int rc = f->pMethods->xFileSize(f, &size);
    for (sqlite3_int64 at = 0; !rc && at + STORE_PAGE <= size;) {
        int n = (int)MIN(AT_ONCE, (size - at) / STORE_PAGE);
        rc = f->pMethods->xRead(f, pages, n * STORE_PAGE, at);
        for (int i = 0; !rc && i < n; i++, at += STORE_PAGE)
            TRY(page(ctx, (uint64_t)at / STORE_PAGE, pages + (size_t)i * STORE_PAGE));
    }
    return rc ? error_new(E_IO, "could not read file \"%s\": %s", path, sqlite3_errstr(rc)) : NULL;
}

/* Through SQLite's own handle: closing another one of the same file would drop its locks. */
struct error *store_scan(struct store *s, store_page_fn *page, void *ctx)
{
    struct store_conn *c;
    sqlite3_file *f = NULL;
    TRY(store_get_reader(s, &c));
    int rc = sqlite3_file_control(c->db, "main", SQLITE_FCNTL_FILE_POINTER, &f);
    struct error *e = rc || !f ? store__error(c->db, rc ? rc : SQLITE_CANTOPEN, s->path)
                               : scan(f, s->path, page, ctx);
    store_put_reader(s, c);
    return e;
}

/* ---- checking ----------------------------------------------------------------------------- */

static struct error *quick_check(sqlite3 *db, const char *path)
{
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
    if (rc)
        return store__error(db, rc, path);
    rc = sqlite3_step(stmt);
    const char *verdict = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    struct error *e = NULL;
    if (rc != SQLITE_ROW)
        e = store__error(db, rc, path);
    else if (!verdict || strcmp(verdict, "ok") != 0)
        e = error_detail(store__damaged(path, "is damaged"), "%s.",
                         verdict ? verdict : "No answer");
    sqlite3_finalize(stmt);
    return e;
}

static struct error *check_database(sqlite3 *db, const char *path, uint64_t cluster,
                                    uint64_t region, struct store_meta *ret)
{
    struct store_meta meta;
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    TRY(types_register(db)); /* indexes call them */
    /* the constraints of rows are not what can break on the way, and some may be NOT VALID */
    sqlite3_exec(db, "PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL);
    TRY(store__read_meta(db, path, &meta));
    TRY(store__check_meta(path, &meta, cluster, region));
    TRY(quick_check(db, path));
    *ret = meta;
    return NULL;
}

static struct error *sync_file(const char *path)
{
    _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return error_errno(E_IO, errno, "could not sync file \"%s\"", path);
    return NULL;
}

struct error *store_check(const char *path, uint64_t cluster, uint64_t region,
                          struct store_meta *ret)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, "unix-excl");
    if (!rc)
        sqlite3_extended_result_codes(db, 1);
    struct error *e =
        rc ? store__error(db, rc, path) : check_database(db, path, cluster, region, ret);
    sqlite3_close(db);
    return e ? e : sync_file(path);
}

/* ---- installing --------------------------------------------------------------------------- */

static bool exists(const char *dir, uint64_t region, const char *suffix)
{
    _cleanup_(mem_freep) char *path = store__path(dir, region, suffix);
    return access(path, F_OK) == 0;
}

/* A missing file is fine. */
static struct error *move(const char *dir, uint64_t region, const char *from, const char *to)
{
    _cleanup_(mem_freep) char *old = store__path(dir, region, from);
    _cleanup_(mem_freep) char *new = store__path(dir, region, to);
    if (rename(old, new) != 0) {
        if (errno == ENOENT)
            return NULL;
        return error_errno(E_IO, errno, "could not rename file \"%s\"", old);
    }
    return store__sync_directory(dir);
}

static struct error *drop(const char *dir, uint64_t region, const char *suffix)
{
    _cleanup_(mem_freep) char *path = store__path(dir, region, suffix);
    if (unlink(path) != 0) {
        if (errno == ENOENT)
            return NULL;
        return error_errno(E_IO, errno, "could not remove file \"%s\"", path);
    }
    return store__sync_directory(dir);
}

struct error *store__settle_install(const char *dir, uint64_t region)
{
    bool in_place = exists(dir, region, ".db"), old = exists(dir, region, ".db.old");
    if (!in_place && old)
        TRY(move(dir, region, ".db.old", ".db"));
    if (!in_place || !old)
        return move(dir, region, ".db.old-wal", ".db-wal");
    TRY(drop(dir, region, ".db.old-wal"));
    return drop(dir, region, ".db.old");
}

struct error *store_install(const char *dir, uint64_t region, const char *path)
{
    TRY(store__settle_install(dir, region));
    if (!exists(dir, region, ".db"))
        TRY(drop(dir, region, ".db-wal"));
    TRY(move(dir, region, ".db-wal", ".db.old-wal"));
    TRY(move(dir, region, ".db", ".db.old"));
    _cleanup_(mem_freep) char *db = store__path(dir, region, ".db");
    if (rename(path, db) != 0)
        return error_errno(E_IO, errno, "could not rename file \"%s\"", path);
    TRY(store__sync_directory(dir));
    return store__settle_install(dir, region);
}
