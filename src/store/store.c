/*
 * The file: where it lies, how it is opened and made, and what it says of itself.
 *
 * Besides the tables of users it has some of ours, whose rows are written by store_commit and
 * store_put_request and never captured: each replica writes its own from what the log's entry says.
 *
 *   minisql_meta      one row: format, cluster, region, applied lsn and epoch, schema version
 *   minisql_requests  the last result of each (gateway, slot); slot -1: see store_fold_requests()
 *   minisql_decisions transactions over several regions that were decided here: store_decision
 *
 * In the directory: region-N.db, SQLite's region-N.db-wal, region-N.new while a file is made, while
 * a snapshot is received region-N.incoming, while it is installed region-N.db.old
 * (store_snapshot.c), and a damaged file that is being replaced, region-N.db.damaged.
 *
 * A store outlives its connections. Opening one reads what the file says of itself and lets go of
 * it; connections are made when somebody needs them and closed when nobody has for long:
 *
 *   asleep --store_wake (store_begin, ..), store_get_reader, store_checkpoint--> awake
 *          <--store_sleep--
 */
#include "store_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the directory ------------------------------------------------------------------------ */

char *store__path(const char *dir, uint64_t region, const char *suffix)
{
    return mem_printf("%s/region-%" PRIu64 "%s", dir, region, suffix);
}

struct error *store__sync_directory(const char *dir)
{
    _cleanup_(fd_closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return error_errno(E_IO, errno, "could not sync directory \"%s\"", dir);
    return NULL;
}

static struct error *remove_file(const char *dir, uint64_t region, const char *suffix)
{
    _cleanup_(mem_freep) char *path = store__path(dir, region, suffix);
    if (unlink(path) != 0 && errno != ENOENT)
        return error_errno(E_IO, errno, "could not remove file \"%s\"", path);
    return NULL;
}

/* The database goes last: without it the others mean nothing. */
struct error *store_delete(const char *dir, uint64_t region)
{
    static const char *const suffixes[] = {
        ".new",    ".incoming-wal", ".incoming", ".db-wal.damaged", ".db.damaged", ".db.old-wal",
        ".db.old", ".db-wal",       ".db"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        TRY(remove_file(dir, region, suffixes[i]));
    return store__sync_directory(dir);
}

/* "region-12.db" -> 12. A file set aside by an interrupted installation counts too. */
static bool region_of(const char *name, uint64_t *ret)
{
    char *end;
    if (strncmp(name, "region-", 7) != 0 || name[7] < '0' || name[7] > '9')
        return false;
    errno = 0;
    unsigned long long n = strtoull(name + 7, &end, 10);
    *ret = n;
    return errno == 0 && (strcmp(end, ".db") == 0 || strcmp(end, ".db.old") == 0);
}

struct error *store_list(const char *dir, void (*found)(void *ctx, uint64_t region), void *ctx)
{
    DIR *d = opendir(dir);
    if (!d)
        return error_errno(E_IO, errno, "could not read directory \"%s\"", dir);
    struct map seen = {0};
    struct dirent *entry;
    uint64_t region;
    while ((entry = readdir(d)))
        if (region_of(entry->d_name, &region) && !map_put_u64(&seen, region, d))
            found(ctx, region);
    map_done(&seen);
    closedir(d);
    return NULL;
}

/* ---- what the file says of itself --------------------------------------------------------- */

static const char tables_sql[] =
    "CREATE TABLE minisql_meta (id INTEGER PRIMARY KEY CHECK (id = 1), format INTEGER NOT NULL,"
    " cluster INTEGER NOT NULL, region INTEGER NOT NULL, applied_lsn INTEGER NOT NULL,"
    " applied_epoch INTEGER NOT NULL, schema_version INTEGER NOT NULL) STRICT;"
    "CREATE TABLE minisql_requests (gateway INTEGER, slot INTEGER, seq INTEGER NOT NULL,"
    " result BLOB NOT NULL, PRIMARY KEY (gateway, slot)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE minisql_decisions (gateway INTEGER, seq INTEGER, participants BLOB NOT NULL,"
    " PRIMARY KEY (gateway, seq)) STRICT, WITHOUT ROWID;";

struct error *store__create_tables(sqlite3 *db, const char *path)
{
    int rc = sqlite3_exec(db, tables_sql, NULL, NULL, NULL);
    return rc ? store__error(db, rc, path) : NULL;
}

/* 64-bit ids use SQLite's integers bit by bit. */
static struct error *fill(sqlite3 *db, const char *path, const struct store_meta *m)
{
    _cleanup_(mem_freep) char *row =
        mem_printf("INSERT INTO minisql_meta VALUES (1, %d, %" PRId64 ", %" PRId64 ", 0, 0, 0);"
                   "PRAGMA journal_mode = WAL",
                   STORE_FORMAT, (int64_t)m->cluster, (int64_t)m->region);
    int rc =
        sqlite3_exec(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL, NULL);
    if (!rc)
        TRY(store__create_tables(db, path));
    if (!rc)
        rc = sqlite3_exec(db, row, NULL, NULL, NULL);
    return rc ? store__error(db, rc, path) : NULL;
}

static struct error *sync_file(const char *path)
{
    _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return error_errno(E_IO, errno, "could not sync file \"%s\"", path);
    return NULL;
}

/* Under another name, so that a file that bears its own is whole: two syncs in all, where SQLite
 * would make one for each step. */
static struct error *create(struct store *s, uint64_t cluster)
{
    _cleanup_(mem_freep) char *path = store__path(s->dir, s->region, ".new");
    sqlite3 *db = NULL;
    s->meta = (struct store_meta){.cluster = cluster, .region = s->region};
    TRY(remove_file(s->dir, s->region, ".new"));
    int rc = sqlite3_open_v2(
        path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, "unix-excl");
    struct error *e = rc ? store__error(db, rc, path) : fill(db, path, &s->meta);
    sqlite3_close(db);
    if (!e)
        e = sync_file(path);
    if (!e)
        e = remove_file(s->dir, s->region, ".db-wal");
    TRY(e);
    if (rename(path, s->path) != 0)
        return error_errno(E_IO, errno, "could not rename file \"%s\"", path);
    return store__sync_directory(s->dir);
}

static struct error *newer_format(const char *path, int64_t format)
{
    return error_hint(error_new(E_UNSUPPORTED,
                                "region file \"%s\" has format %" PRId64
                                ", this minisqld reads up to %d",
                                path, format, STORE_FORMAT),
                      "Start the version of minisqld that wrote this data directory.");
}

static struct error *read_meta_row(sqlite3_stmt *stmt, const char *path, struct store_meta *ret)
{
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_DONE)
        return store__damaged(path, "has no row in minisql_meta");
    if (rc != SQLITE_ROW)
        return store__error(sqlite3_db_handle(stmt), rc, path);
    int64_t format = sqlite3_column_int64(stmt, 0);
    if (format > STORE_FORMAT)
        return newer_format(path, format);
    *ret = (struct store_meta){.cluster = (uint64_t)sqlite3_column_int64(stmt, 1),
                               .region = (uint64_t)sqlite3_column_int64(stmt, 2),
                               .applied_lsn = (uint64_t)sqlite3_column_int64(stmt, 3),
                               .applied_epoch = (uint64_t)sqlite3_column_int64(stmt, 4),
                               .schema_version = (uint64_t)sqlite3_column_int64(stmt, 5)};
    return NULL;
}

/* The format first and alone: a newer one may have other columns. */
static struct error *check_format(sqlite3 *db, const char *path)
{
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(db, "SELECT format FROM minisql_meta", -1, &stmt, NULL);
    if (rc == SQLITE_ERROR)
        return store__damaged(path, "is no region file of MiniSQL");
    if (rc)
        return store__error(db, rc, path);
    rc = sqlite3_step(stmt);
    int64_t format = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return format > STORE_FORMAT ? newer_format(path, format) : NULL;
}

struct error *store__read_meta(sqlite3 *db, const char *path, struct store_meta *ret)
{
    sqlite3_stmt *stmt;
    TRY(check_format(db, path));
    int rc = sqlite3_prepare_v2(db,
                                "SELECT format, cluster, region, applied_lsn, applied_epoch,"
                                " schema_version FROM minisql_meta",
                                -1, &stmt, NULL);
    if (rc)
        return store__damaged(path, "has no table minisql_meta as it should be");
    struct error *e = read_meta_row(stmt, path, ret);
    sqlite3_finalize(stmt);
    return e;
}

struct error *store__check_meta(const char *path, const struct store_meta *m, uint64_t cluster,
                                uint64_t region)
{
    if (m->cluster != cluster)
        return error_hint(error_new("55000", "region file \"%s\" belongs to another cluster", path),
                          "It is of cluster %016" PRIx64 ", this server is of %016" PRIx64
                          ": start it with its own data directory.",
                          m->cluster, cluster);
    if (m->region != region)
        return error_hint(
            error_new("55000", "region file \"%s\" holds region %" PRIu64, path, m->region),
            "Somebody renamed it: give it its name back.");
    return NULL;
}

/* ---- opening and closing ------------------------------------------------------------------ */

static struct error *prepare_all(struct store *s)
{
    const struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } all[] = {
        {&s->begin, "BEGIN IMMEDIATE"},
        {&s->commit, "COMMIT"},
        {&s->rollback, "ROLLBACK"},
        {&s->mark, "SAVEPOINT minisql_mark"},
        {&s->release_mark, "RELEASE minisql_mark"},
        {&s->rollback_to, "ROLLBACK TO minisql_mark"},
        {&s->set_meta, "UPDATE minisql_meta SET applied_lsn = ?1, applied_epoch = ?2,"
                       " schema_version = ?3 WHERE id = 1"},
        {&s->put_request,
         "INSERT INTO minisql_requests VALUES (?1, ?2, ?3, ?4)"
         " ON CONFLICT DO UPDATE SET seq = excluded.seq, result = excluded.result"},
        {&s->find_request,
         "SELECT seq, result FROM minisql_requests WHERE gateway = ?1 AND slot = ?2"},
        {&s->put_decision, "INSERT OR REPLACE INTO minisql_decisions VALUES (?1, ?2, ?3)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        TRY(store__prepare_own(s->writer->db, all[i].sql, all[i].stmt));
    return NULL;
}

static void finalize_all(struct store *s)
{
    sqlite3_stmt *const all[] = {s->begin,        s->commit,      s->rollback, s->mark,
                                 s->release_mark, s->rollback_to, s->set_meta, s->put_request,
                                 s->find_request, s->put_decision};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        sqlite3_finalize(all[i]);
    s->begin = s->commit = s->rollback = s->mark = s->release_mark = s->rollback_to = NULL;
    s->set_meta = s->put_request = s->find_request = s->put_decision = NULL;
}

static int on_wal(void *ctx, sqlite3 *db, const char *schema, int pages)
{
    struct store *s = ctx;
    pthread_mutex_lock(&s->lock);
    if (pages <= s->wal_pages)
        s->wal_pages_moved = 0; /* every commit adds some: it was reset, and starts anew */
    s->wal_pages = pages;
    s->commits++;
    pthread_mutex_unlock(&s->lock);
    return SQLITE_OK;
}

static struct error *open_writer(struct store *s)
{
    TRY(store__connect(s, s->path, STORE_WRITER, &s->writer));
    store__capture_install(s);
    TRY(prepare_all(s));
    sqlite3_wal_hook(s->writer->db, on_wal, s);
    return NULL;
}

static void close_writer(struct store *s)
{
    store__forget_tables(s);
    finalize_all(s);
    store__disconnect(s->writer);
    s->writer = NULL;
    store__capture_done(&s->capture);
    s->capture = (struct store_capture){0};
}

struct error *store_wake(struct store *s)
{
    if (s->writer)
        return NULL;
    struct error *e = open_writer(s);
    if (e)
        close_writer(s);
    return e;
}

/* What was not moved from the SQLite WAL to the file stays there: moving it takes syncs, and the
 * server's log has it all. */
static void keep_wal(struct store_conn *c)
{
    if (c)
        sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

static bool take_readers(struct store *s, struct store_conn **readers, size_t *ret_n)
{
    pthread_mutex_lock(&s->lock);
    bool idle = s->n_free == s->n_readers;
    if (idle) {
        *ret_n = s->n_free;
        memcpy(readers, s->free_readers, s->n_free * sizeof(readers[0]));
        s->n_free = s->n_readers = 0;
    }
    pthread_mutex_unlock(&s->lock);
    return idle;
}

bool store_sleep(struct store *s)
{
    struct store_conn *readers[STORE_READERS];
    size_t n = 0;
    if (s->open || pthread_mutex_trylock(&s->checkpoint_lock) != 0)
        return false;
    if (!take_readers(s, readers, &n)) {
        pthread_mutex_unlock(&s->checkpoint_lock);
        return false;
    }
    bool dirty = store_wal_bytes(s) > 0;
    for (size_t i = 0; i < n; i++) {
        if (dirty)
            keep_wal(readers[i]);
        store__disconnect(readers[i]);
    }
    if (dirty) {
        keep_wal(s->checker);
        keep_wal(s->writer);
    }
    store__close_checker(s);
    if (s->writer)
        close_writer(s);
    store__forget_pace(s);
    pthread_mutex_unlock(&s->checkpoint_lock);
    return true;
}

/* ---- opening and closing ------------------------------------------------------------------ */

static struct error *read_file(struct store *s, uint64_t cluster)
{
    sqlite3 *db = NULL;
    int rc =
        sqlite3_open_v2(s->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, "unix-excl");
    if (!rc) {
        sqlite3_extended_result_codes(db, 1);
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    struct error *e = rc ? store__error(db, rc, s->path) : store__read_meta(db, s->path, &s->meta);
    sqlite3_close(db);
    return e ? e : store__check_meta(s->path, &s->meta, cluster, s->region);
}

/* What a crash left to be moved to the file. */
static void look_at_wal(struct store *s)
{
    enum { HEADER = 32, FRAME = 4096 + 24 };
    _cleanup_(mem_freep) char *path = mem_printf("%s-wal", s->path);
    struct stat st;
    if (stat(path, &st) == 0 && st.st_size > HEADER)
        s->wal_pages = (int)MIN((st.st_size - HEADER + FRAME - 1) / FRAME, INT32_MAX);
}

static struct error *open_file(struct store *s, uint64_t cluster)
{
    struct stat st;
    TRY(store__settle_install(s->dir, s->region));
    if (stat(s->path, &st) != 0 && errno == ENOENT)
        return create(s, cluster);
    TRY(read_file(s, cluster));
    look_at_wal(s);
    return NULL;
}

/* Takes `path`. */
static struct store *new_store(const char *dir, char *path, uint64_t region)
{
    struct store *s = NEW(struct store);
    s->dir = mem_strdup(dir);
    s->path = path;
    s->region = region;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->checkpoint_lock, NULL);
    pthread_cond_init(&s->reader_back, NULL);
    pthread_cond_init(&s->gate, NULL);
    return s;
}

struct error *store_open_local(struct store **ret)
{
    struct store *s = new_store("", mem_strdup(""), 0); /* SQLite: a private temporary database */
    s->local = true;
    struct error *e = store_wake(s);
    if (e) {
        store_close(s);
        return e;
    }
    *ret = s;
    return NULL;
}

struct error *store_open(const char *dir, uint64_t cluster, uint64_t region, struct store **ret)
{
    struct store *s = new_store(dir, store__path(dir, region, ".db"), region);
    struct error *e = open_file(s, cluster);
    if (e) {
        store_close(s);
        return e;
    }
    *ret = s;
    return NULL;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    store_rollback(s);
    assert(s->n_free == s->n_readers);
    for (size_t i = 0; i < s->n_free; i++)
        store__disconnect(s->free_readers[i]);
    store__close_checker(s);
    close_writer(s);
    store__forget_pace(s);
    store__forget_counts(s);
    mem_free(s->marks);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->checkpoint_lock);
    pthread_cond_destroy(&s->reader_back);
    pthread_cond_destroy(&s->gate);
    mem_free(s->path);
    mem_free(s->dir);
    mem_free(s);
}

const struct store_meta *store_meta(struct store *s)
{
    return &s->meta;
}

struct store_conn *store_writer(struct store *s)
{
    return s->writer;
}
