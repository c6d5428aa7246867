/*
 * Snapshots: a copy of the file as of one commit, and putting such a copy in the file's place.
 *
 * Making. SQLite's backup copies the pages of a read transaction into region-N.snapshot, which is
 * then streamed; the writer goes on meanwhile. The copy loses its name as soon as it is open, so
 * that a crash leaves little behind.
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

enum { COPY_PAGES = 1024, EMIT_BYTES = 256 * 1024 };

/* ---- making ------------------------------------------------------------------------------- */

static struct error *copy_pages(struct store_conn *from, sqlite3 *to, const char *path)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from->db, "main");
    if (!b)
        return store__error(to, sqlite3_errcode(to), path);
    int rc;
    do
        rc = sqlite3_backup_step(b, COPY_PAGES);
    while (rc == SQLITE_OK);
    int finish = sqlite3_backup_finish(b);
    if (rc == SQLITE_DONE && finish == SQLITE_OK)
        return NULL;
    return store__error(to, rc == SQLITE_DONE ? finish : rc, path);
}

static struct error *copy_file(struct store_conn *from, const char *path)
{
    sqlite3 *to = NULL;
    if (unlink(path) != 0 && errno != ENOENT)
        return error_errno(E_IO, errno, "could not remove file \"%s\"", path);
    int rc = sqlite3_open_v2(
        path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, "unix");
    if (!rc)
        rc = sqlite3_exec(to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL,
                          NULL);
    struct error *e = rc ? store__error(to, rc, path) : copy_pages(from, to, path);
    sqlite3_close(to);
    return e;
}

static struct error *stream(int fd, const char *path,
                            struct error *(*emit)(void *ctx, const void *data, size_t len),
                            void *ctx)
{
    _cleanup_(mem_freep) char *bytes = mem_alloc(EMIT_BYTES);
    for (;;) {
        ssize_t n = read(fd, bytes, EMIT_BYTES);
        if (n == 0)
            return NULL;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(E_IO, errno, "could not read file \"%s\"", path);
        TRY(emit(ctx, bytes, (size_t)n));
    }
}

/* Makes the copy and opens it; its name is gone then. */
static struct error *make_copy(struct store *s, const char *path, struct store_meta *ret_meta,
                               int *ret_fd)
{
    struct store_conn *c;
    TRY(store_get_reader(s, &c));
    struct error *e = store_reader_begin(c);
    if (!e)
        e = store__read_meta(c->db, s->path, ret_meta);
    if (!e)
        e = copy_file(c, path);
    store_put_reader(s, c);
    if (!e) {
        *ret_fd = open(path, O_RDONLY | O_CLOEXEC);
        if (*ret_fd < 0)
            e = error_errno(E_IO, errno, "could not open file \"%s\"", path);
    }
    unlink(path);
    return e;
}

struct error *store_snapshot(struct store *s,
                             struct error *(*emit)(void *ctx, const void *data, size_t len),
                             void *ctx, struct store_meta *ret_meta)
{
    _cleanup_(mem_freep) char *path = store__path(s->dir, s->region, ".snapshot");
    _cleanup_(fd_closep) int fd = -1;
    struct store_meta meta;
    pthread_mutex_lock(&s->snapshot_lock);
    struct error *e = make_copy(s, path, &meta, &fd);
    pthread_mutex_unlock(&s->snapshot_lock);
    TRY(e);
    *ret_meta = meta; /* before the bytes: emit may want to send it first */
    return stream(fd, path, emit, ctx);
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
    TRY(types_register(db)); /* checks and indexes call them */
    TRY(store__read_meta(db, path, &meta));
    TRY(store__check_meta(path, &meta, cluster, region));
    TRY(quick_check(db, path));
    *ret = meta;
    return NULL;
}

static struct error *check_file(const char *path, uint64_t cluster, uint64_t region,
                                struct store_meta *ret)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, "unix-excl");
    if (!rc)
        sqlite3_extended_result_codes(db, 1);
    struct error *e =
        rc ? store__error(db, rc, path) : check_database(db, path, cluster, region, ret);
    sqlite3_close(db);
    return e;
}

static struct error *sync_file(const char *path)
{
    _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return error_errno(E_IO, errno, "could not sync file \"%s\"", path);
    return NULL;
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

struct error *store_install(const char *dir, uint64_t cluster, uint64_t region, const char *path,
                            struct store_meta *ret_meta)
{
    TRY(check_file(path, cluster, region, ret_meta));
    TRY(sync_file(path));
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
