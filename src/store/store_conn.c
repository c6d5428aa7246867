/*
 * Connections: opened the one way that is right for us, each with its cache of statements.
 *
 * Every connection uses the `unix-excl` VFS: the process owns the file, there is no -shm file and
 * no lock is ever asked of the kernel; and the connections of one file inside the process
 * coordinate through the heap. One that is opened with another VFS would not see the others' locks.
 *
 * A cached statement is idle (in the order of use, from newest to oldest) or used (store_prepare ..
 * store_release). A text whose statement is used already, in recursion, gets one more that isn't
 * kept.
 */
#include "store_int.h"

#include <errno.h>

/* ---- opening ------------------------------------------------------------------------------ */

struct error *store__damaged(const char *path, const char *what)
{
    return error_hint(error_new(E_DAMAGED, "region file \"%s\" %s", path, what),
                      "The replica on this server is rebuilt from another copy; if there is none, "
                      "restore a backup.");
}

struct error *store__error(sqlite3 *db, int rc, const char *path)
{
    switch (rc & 0xff) {
    case SQLITE_NOTADB:
        return store__damaged(path, "is not a database or is damaged");
    case SQLITE_CORRUPT:
        return store__damaged(path, "is damaged");
    case SQLITE_BUSY:
        return error_hint(error_new("55006", "region file \"%s\" is in use", path),
                          "Another process has it open: another minisqld, or the sqlite3 tool.");
    case SQLITE_CANTOPEN:
        if (db && (sqlite3_system_errno(db) == EMFILE || sqlite3_system_errno(db) == ENFILE))
            return error_hint(
                error_new("53000", "could not open region file \"%s\": too many open files", path),
                "Raise the limit of open files (ulimit -n) of minisqld.");
        /* fall through */
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return error_hint(error_new(E_IO, "could not open region file \"%s\": %s", path,
                                    db ? sqlite3_errmsg(db) : sqlite3_errstr(rc)),
                          "The data directory must exist and be writable for the user that runs "
                          "minisqld.");
    default:
        return db ? types_sqlite_error(db, rc)
                  : error_new(E_INTERNAL, "SQLite: %s", sqlite3_errstr(rc));
    }
}

struct error *store__prepare_own(sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
    int rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
    return rc ? types_sqlite_error(db, rc) : NULL;
}

static struct error *use_wal(sqlite3 *db, const char *path)
{
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
    if (rc)
        return store__error(db, rc, path);
    rc = sqlite3_step(stmt);
    const char *mode = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : "";
    struct error *e = NULL;
    if (rc != SQLITE_ROW)
        e = store__error(db, rc, path);
    else if (!mode || strcmp(mode, "wal") != 0)
        e = error_new(E_IO, "region file \"%s\" can't use WAL mode", path);
    sqlite3_finalize(stmt);
    return e;
}

/* The order matters: the first statement reads the file, and must wait for a lock already. */
static struct error *configure(struct store_conn *c, const char *path, enum store_purpose purpose)
{
    static const char *const all = "PRAGMA synchronous = NORMAL;"
                                   "PRAGMA wal_autocheckpoint = 0;"
                                   "PRAGMA mmap_size = 268435456;"
                                   "PRAGMA recursive_triggers = ON;";
    static const char *const own[] = {
        [STORE_WRITER] = "PRAGMA cache_size = -16384;"
                         "PRAGMA journal_size_limit = 67108864;"
                         "PRAGMA foreign_keys = ON;",
        [STORE_READER] = "PRAGMA cache_size = -4096; PRAGMA query_only = ON;",
        [STORE_CHECKER] = "PRAGMA cache_size = -512;",
    };
    sqlite3_busy_timeout(c->db, 5000);
    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    TRY(types_register(c->db));
    if (!c->store->local)
        TRY(use_wal(c->db, path));
    int rc = sqlite3_exec(c->db, all, NULL, NULL, NULL);
    if (!rc)
        rc = sqlite3_exec(c->db, own[purpose], NULL, NULL, NULL);
    return rc ? store__error(c->db, rc, path) : NULL;
}

struct error *store__connect(struct store *s, const char *path, enum store_purpose purpose,
                             struct store_conn **ret)
{
    struct store_conn *c = NEW(struct store_conn);
    c->store = s;
    c->writer = purpose == STORE_WRITER;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (s->local ? SQLITE_OPEN_CREATE : 0);
    int rc = sqlite3_open_v2(path, &c->db, flags, "unix-excl");
    struct error *e = rc ? store__error(c->db, rc, path) : configure(c, path, purpose);
    if (!e && s->local)
        e = store__create_tables(c->db, path);
    if (e) {
        store__disconnect(c);
        return e;
    }
    *ret = c;
    return NULL;
}

static void cached_free(struct store_cached *k)
{
    sqlite3_finalize(k->stmt);
    mem_free(k->sql);
    mem_free(k);
}

void store__disconnect(struct store_conn *c)
{
    if (!c)
        return;
    while (c->used) {
        struct store_cached *k = c->used;
        c->used = k->older;
        cached_free(k);
    }
    for (struct store_cached *k = c->newest, *older; k; k = older) {
        older = k->older;
        cached_free(k);
    }
    map_done(&c->cached);
    sqlite3_finalize(c->begin);
    sqlite3_finalize(c->take_snapshot);
    sqlite3_finalize(c->end);
    sqlite3_close(c->db);
    mem_free(c);
}

/* ---- modes -------------------------------------------------------------------------------- */

struct error *store__set_mode(struct store_conn *c, enum store_mode mode)
{
    if (c->mode == mode || !c->writer)
        return NULL;
    /* unlike PRAGMA foreign_keys, this works inside a transaction */
    int rc = sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_FKEY, mode == STORE_EXECUTE, NULL);
    if (!rc)
        rc = sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, mode != STORE_APPLY, NULL);
    if (!rc)
        rc = sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, mode != STORE_DDL, NULL);
    if (!rc)
        rc = sqlite3_exec(c->db,
                          mode == STORE_APPLY ? "PRAGMA ignore_check_constraints = ON"
                                              : "PRAGMA ignore_check_constraints = OFF",
                          NULL, NULL, NULL);
    if (!rc) /* a table that takes another's place has what references that one, triggers too */
        rc = sqlite3_db_config(c->db, SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, mode == STORE_DDL, NULL);
    if (rc)
        return types_sqlite_error(c->db, rc);
    c->mode = mode;
    return NULL;
}

/* ---- the statement cache ------------------------------------------------------------------ */

static void unlink_idle(struct store_conn *c, struct store_cached *k)
{
    *(k->newer ? &k->newer->older : &c->newest) = k->older;
    *(k->older ? &k->older->newer : &c->oldest) = k->newer;
    k->newer = k->older = NULL;
    c->n_idle--;
}

static void push_idle(struct store_conn *c, struct store_cached *k)
{
    k->newer = NULL;
    k->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = k;
    c->newest = k;
    c->n_idle++;
}

static void evict_oldest(struct store_conn *c)
{
    struct store_cached *k = c->oldest;
    unlink_idle(c, k);
    map_remove(&c->cached, k->sql, k->len);
    cached_free(k);
}

static struct error *compile(struct store_conn *c, const char *sql, size_t len, sqlite3_stmt **ret)
{
    if (len > INT32_MAX)
        return error_new("54000", "statement is too long");
    int rc = types_sqlite_prepare(c->db, sql, len, SQLITE_PREPARE_PERSISTENT, ret);
    if (rc)
        return types_sqlite_error(c->db, rc);
    if (!*ret)
        return error_new(E_SYNTAX, "statement is empty");
    return NULL;
}

static enum store_mode own_mode(const struct store_conn *c)
{
    return c->unchecked ? STORE_UNCHECKED : STORE_EXECUTE;
}

struct error *store_leave_keys(struct store_conn *c, bool leave)
{
    c->unchecked = leave;
    return leave ? store__set_mode(c, STORE_UNCHECKED) : NULL;
}

struct error *store_prepare(struct store_conn *c, const char *sql, size_t len, sqlite3_stmt **ret)
{
    if (c->mode != own_mode(c))
        TRY(store__set_mode(c, own_mode(c)));
    struct store_cached *k = map_get(&c->cached, sql, len);
    if (k && !k->used) {
        unlink_idle(c, k);
    } else {
        sqlite3_stmt *stmt;
        TRY(compile(c, sql, len, &stmt));
        bool recursion = k != NULL;
        k = NEW(struct store_cached);
        *k = (struct store_cached){
            .sql = mem_strndup(sql, len), .len = len, .stmt = stmt, .in_map = !recursion};
        if (!recursion)
            map_put(&c->cached, sql, len, k);
    }
    k->used = true;
    k->older = c->used;
    c->used = k;
    *ret = k->stmt;
    return NULL;
}

void store_release(struct store_conn *c, sqlite3_stmt *stmt)
{
    struct store_cached **at = &c->used;
    while (*at && (*at)->stmt != stmt)
        at = &(*at)->older;
    struct store_cached *k = *at;
    if (!k)
        return;
    *at = k->older;
    k->used = false;
    sqlite3_reset(stmt);
    if (!k->in_map) {
        cached_free(k);
        return;
    }
    sqlite3_clear_bindings(stmt);
    push_idle(c, k);
    if (c->n_idle > STORE_CACHED)
        evict_oldest(c);
}

sqlite3 *store_db(struct store_conn *c)
{
    return c->db;
}

struct error *store_exec(struct store_conn *c, const char *sql)
{
    TRY(store__set_mode(c, own_mode(c)));
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc ? types_sqlite_error(c->db, rc) : NULL;
}

struct error *store__run(struct store_conn *c, sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);
    struct error *e = NULL;
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        e = types_sqlite_error(c->db, rc);
    sqlite3_reset(stmt);
    return e;
}

/* ---- readers ------------------------------------------------------------------------------ */

struct error *store_get_reader(struct store *s, struct store_conn **ret)
{
    pthread_mutex_lock(&s->lock);
    while (!s->n_free && s->n_readers == STORE_READERS)
        pthread_cond_wait(&s->reader_back, &s->lock);
    struct store_conn *c = s->n_free ? s->free_readers[--s->n_free] : NULL;
    if (!c)
        s->n_readers++;
    pthread_mutex_unlock(&s->lock);
    if (c) {
        *ret = c;
        return NULL;
    }
    struct error *e = store__connect(s, s->path, STORE_READER, ret);
    if (e) {
        pthread_mutex_lock(&s->lock);
        s->n_readers--;
        pthread_cond_signal(&s->reader_back);
        pthread_mutex_unlock(&s->lock);
    }
    return e;
}

/* BEGIN alone takes no snapshot: the first read does. */
struct error *store_reader_begin(struct store_conn *c)
{
    if (c->reading)
        return NULL;
    if (!c->begin)
        TRY(store__prepare_own(c->db, "BEGIN", &c->begin));
    if (!c->take_snapshot)
        TRY(store__prepare_own(c->db, "SELECT 1 FROM minisql_meta", &c->take_snapshot));
    if (!c->end)
        TRY(store__prepare_own(c->db, "ROLLBACK", &c->end));
    TRY(store__run(c, c->begin));
    c->reading = true;
    return store__run(c, c->take_snapshot);
}

void store_put_reader(struct store *s, struct store_conn *c)
{
    while (c->used)
        store_release(c, c->used->stmt);
    if (c->reading) {
        sqlite3_step(c->end);
        sqlite3_reset(c->end);
    }
    if (!sqlite3_get_autocommit(c->db)) /* a BEGIN of the caller's own */
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    c->reading = false;
    pthread_mutex_lock(&s->lock);
    s->free_readers[s->n_free++] = c;
    pthread_cond_signal(&s->reader_back);
    pthread_mutex_unlock(&s->lock);
}
