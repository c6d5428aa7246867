/*
 * The embedded store: one SQLite file (DIR/coord.db) inside the process of a single server.
 *
 * Invariants:
 *  1. `lock` guards everything. A transaction is one SQLite transaction with synchronous=FULL, so
 * what was answered is on disk.
 *  2. The revision rises by exactly one with each transaction that changes something. So the
 * changes of revision r have one place in the ring of recent changes: slot r % RING.
 *  3. The ring holds revisions ring_first .. revision without a gap. A watch that needs older ones
 * (also after a restart, when the ring is empty) is told to resync.
 *  4. A lease lives as long as its session in this process. Keys with a lease that are found at
 * opening belonged to a process that is gone, and are deleted.
 *  5. The file has one owner: SQLite's exclusive lock is held from open to close.
 */
#include "coord/coord_int.h"

#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>

enum { RING = 1024, RING_BYTES_MAX = 16 * 1024 * 1024, FILE_FORMAT = 1 };

/* What one transaction changed. */
struct batch {
    unsigned refs; /* guarded by the store's lock */
    uint64_t revision;
    size_t n, bytes;
    struct coord_event events[];
};

enum stmt {
    STMT_GET,
    STMT_LIST,
    STMT_LIST_TO_END,
    STMT_PUT,
    STMT_DELETE,
    STMT_BY_LEASE,
    STMT_LEASED,
    STMT_REVISION,
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_COUNT
};

#define COLUMNS "SELECT key, value, created, modified, lease FROM kv "
static const char *const stmt_sql[STMT_COUNT] = {
    [STMT_GET] = COLUMNS "WHERE key = ?1",
    [STMT_LIST] = COLUMNS "WHERE key >= ?1 AND key < ?2 ORDER BY key",
    [STMT_LIST_TO_END] = COLUMNS "WHERE key >= ?1 ORDER BY key",
    [STMT_PUT] = "INSERT INTO kv VALUES (?1, ?2, ?3, ?3, ?4) ON CONFLICT (key) DO UPDATE "
                 "SET value = ?2, modified = ?3, lease = ?4 RETURNING created",
    [STMT_DELETE] = "DELETE FROM kv WHERE key = ?1",
    [STMT_BY_LEASE] = COLUMNS "WHERE lease = ?1 ORDER BY key",
    [STMT_LEASED] = COLUMNS "WHERE lease <> 0 ORDER BY key",
    [STMT_REVISION] = "UPDATE meta SET value = ?1 WHERE name = 'revision'",
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
};

struct embedded {
    struct coord base;
    char *path;
    pthread_mutex_t lock;
    /* all below is guarded by lock */
    pthread_cond_t changed; /* revision rose, or a watch is to stop */
    sqlite3 *db;
    sqlite3_stmt *stmts[STMT_COUNT];
    uint64_t revision, ring_first;
    size_t ring_bytes;
    struct batch *ring[RING];
    struct map leases; /* id -> itself */
};

/* ---- SQLite ------------------------------------------------------------------------------- */

static struct error *store_error(struct embedded *e, int rc)
{
    const char *what = e->db ? sqlite3_errmsg(e->db) : sqlite3_errstr(rc);
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return error_hint(error_new(E_DISK_FULL, "could not write \"%s\": %s", e->path, what),
                          "Make room on that disk.");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_hint(error_new("55006", "\"%s\" is in use by another process", e->path),
                          "Another server runs on this data directory; stop it, or use another "
                          "--data.");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return error_hint(error_new(E_DAMAGED, "\"%s\" is damaged: %s", e->path, what),
                          "Restore it from a backup.");
    case SQLITE_NOMEM:
        return error_new(E_OUT_OF_MEMORY, "out of memory");
    default:
        return error_hint(
            error_new(E_IO, "could not use \"%s\": %s", e->path, what),
            "Check that the directory exists and is writable, and the disk's health.");
    }
}

static sqlite3_stmt *stmt_of(struct embedded *e, enum stmt which)
{
    return e->stmts[which];
}

/* Runs a statement without result rows of interest. */
static struct error *run(struct embedded *e, enum stmt which)
{
    sqlite3_stmt *s = stmt_of(e, which);
    int rc;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
    }
    struct error *error = rc == SQLITE_DONE ? NULL : store_error(e, rc);
    sqlite3_reset(s);
    return error;
}

static struct error *exec(struct embedded *e, const char *sql)
{
    int rc = sqlite3_exec(e->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? NULL : store_error(e, rc);
}

static void read_kv(sqlite3_stmt *s, struct coord_kv *ret)
{
    const char *key = (const char *)sqlite3_column_text(s, 0);
    const char *value = sqlite3_column_blob(s, 1);
    size_t len = (size_t)sqlite3_column_bytes(s, 1);
    *ret = (struct coord_kv){.key = mem_strdup(key ? key : ""),
                             .value = mem_strndup(value ? value : "", len),
                             .value_len = len,
                             .create_revision = (uint64_t)sqlite3_column_int64(s, 2),
                             .mod_revision = (uint64_t)sqlite3_column_int64(s, 3),
                             .lease = (uint64_t)sqlite3_column_int64(s, 4)};
}

/* Reads all rows of a bound statement. */
static struct error *collect(struct embedded *e, sqlite3_stmt *s, struct coord_list *ret)
{
    struct coord_list l = {.revision = e->revision};
    size_t cap = 0;
    int rc;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        if (l.n == cap) {
            cap = cap ? cap * 2 : 4;
            l.kvs = mem_realloc(l.kvs, cap * sizeof(*l.kvs));
        }
        read_kv(s, &l.kvs[l.n++]);
    }
    struct error *error = rc == SQLITE_DONE ? NULL : store_error(e, rc);
    sqlite3_reset(s);
    if (error)
        coord_list_done(&l);
    else
        *ret = l;
    return error;
}

static struct error *range_locked(struct embedded *e, const char *key, bool prefix,
                                  struct coord_list *ret)
{
    _cleanup_(mem_freep) char *end = prefix ? coord__prefix_end(key) : NULL;
    sqlite3_stmt *s = stmt_of(e, !prefix ? STMT_GET : *end ? STMT_LIST : STMT_LIST_TO_END);
    sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
    if (prefix && *end)
        sqlite3_bind_text(s, 2, end, -1, SQLITE_STATIC);
    return collect(e, s, ret);
}

static struct error *embedded_range(struct coord *c, const char *key, bool prefix,
                                    unsigned timeout_ms, struct coord_list *ret)
{
    struct embedded *e = (struct embedded *)c;
    pthread_mutex_lock(&e->lock);
    struct error *error = range_locked(e, key, prefix, ret);
    pthread_mutex_unlock(&e->lock);
    return error;
}

/* ---- the ring of recent changes ----------------------------------------------------------- */

static struct batch *batch_new(size_t max_events)
{
    struct batch *b = mem_zalloc(sizeof(*b) + max_events * sizeof(b->events[0]));
    b->refs = 1;
    return b;
}

static void batch_unref(struct batch *b)
{
    if (!b || --b->refs > 0)
        return;
    for (size_t i = 0; i < b->n; i++)
        coord__kv_done(&b->events[i].kv);
    mem_free(b);
}

static void ring_drop_oldest(struct embedded *e)
{
    struct batch **slot = &e->ring[e->ring_first % RING];
    if (*slot)
        e->ring_bytes -= (*slot)->bytes;
    batch_unref(*slot);
    *slot = NULL;
    e->ring_first++;
}

/* Takes over the reference. */
static void ring_add(struct embedded *e, struct batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        b->bytes += strlen(b->events[i].kv.key) + b->events[i].kv.value_len + sizeof(b->events[0]);
    e->ring_bytes += b->bytes;
    e->revision = b->revision;
    while (e->revision - e->ring_first >= RING ||
           (e->ring_bytes > RING_BYTES_MAX && e->ring_first < e->revision))
        ring_drop_oldest(e);
    e->ring[b->revision % RING] = b;
    pthread_cond_broadcast(&e->changed);
}

/* ---- transactions ------------------------------------------------------------------------- */

static struct error *check_compare(struct embedded *e, const struct coord_compare *compare,
                                   bool *ret_holds)
{
    struct coord_list l = {0};
    TRY(range_locked(e, compare->key, false, &l));
    const struct coord_kv *kv = l.n ? &l.kvs[0] : NULL;
    switch (compare->kind) {
    case COORD_ABSENT:
        *ret_holds = !kv;
        break;
    case COORD_EXISTS:
        *ret_holds = kv;
        break;
    case COORD_UNMOVED:
        *ret_holds = (kv ? kv->mod_revision : 0) == compare->revision;
        break;
    case COORD_CREATED:
        *ret_holds = (kv ? kv->create_revision : 0) == compare->revision;
        break;
    }
    coord_list_done(&l);
    return NULL;
}

static struct error *apply_put(struct embedded *e, const struct coord_op *op, uint64_t lease,
                               struct batch *b)
{
    sqlite3_stmt *s = stmt_of(e, STMT_PUT);
    sqlite3_bind_text(s, 1, op->key, -1, SQLITE_STATIC);
    sqlite3_bind_blob(s, 2, op->value_len ? op->value : "", (int)op->value_len, SQLITE_STATIC);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)b->revision);
    sqlite3_bind_int64(s, 4, (sqlite3_int64)lease);
    int rc = sqlite3_step(s);
    uint64_t created = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    while (rc == SQLITE_ROW)
        rc = sqlite3_step(s);
    struct error *error = rc == SQLITE_DONE ? NULL : store_error(e, rc);
    sqlite3_reset(s);
    TRY(error);
    struct coord_kv kv = {.key = (char *)op->key,
                          .value = op->value_len ? (char *)op->value : "",
                          .value_len = op->value_len,
                          .create_revision = created,
                          .mod_revision = b->revision,
                          .lease = lease};
    coord__kv_copy(&b->events[b->n++].kv, &kv);
    return NULL;
}

static struct error *apply_delete(struct embedded *e, const char *key, struct batch *b)
{
    sqlite3_bind_text(stmt_of(e, STMT_DELETE), 1, key, -1, SQLITE_STATIC);
    TRY(run(e, STMT_DELETE));
    if (sqlite3_changes(e->db) == 0)
        return NULL;
    b->events[b->n].deleted = true;
    b->events[b->n++].kv = (struct coord_kv){.key = mem_strdup(key), .mod_revision = b->revision};
    return NULL;
}

/* Commits what was applied, or rolls it back on an error or when nothing changed. */
static struct error *finish(struct embedded *e, struct batch *b, struct error *error)
{
    if (!error && b->n) {
        sqlite3_bind_int64(stmt_of(e, STMT_REVISION), 1, (sqlite3_int64)b->revision);
        error = run(e, STMT_REVISION);
    }
    if (!error && b->n) {
        error = run(e, STMT_COMMIT);
        /* it may come back with the next start: SQLite can't know how much reached the disk */
        if (error_is(error, E_IO))
            memcpy(error->sqlstate, E_COORD_UNKNOWN, sizeof(error->sqlstate));
    }
    if ((error || !b->n) && !sqlite3_get_autocommit(e->db))
        error_free(run(e, STMT_ROLLBACK));
    if (error || !b->n)
        batch_unref(b);
    else
        ring_add(e, b);
    return error;
}

static struct error *txn_locked(struct embedded *e, const struct coord_compare *compares,
                                size_t n_compares, const struct coord_op *ops,
                                const uint64_t *leases, size_t n_ops, bool *ret_succeeded)
{
    for (size_t i = 0; i < n_ops; i++)
        if (leases[i] && !map_get_u64(&e->leases, leases[i]))
            return coord__session_lost();
    *ret_succeeded = true;
    for (size_t i = 0; i < n_compares && *ret_succeeded; i++)
        TRY(check_compare(e, &compares[i], ret_succeeded));
    if (!*ret_succeeded)
        return NULL;
    TRY(run(e, STMT_BEGIN));
    struct batch *b = batch_new(n_ops);
    b->revision = e->revision + 1;
    struct error *error = NULL;
    for (size_t i = 0; i < n_ops && !error; i++)
        error = ops[i].kind == COORD_PUT ? apply_put(e, &ops[i], leases[i], b)
                                         : apply_delete(e, ops[i].key, b);
    return finish(e, b, error);
}

static struct error *embedded_txn(struct coord *c, const struct coord_compare *compares,
                                  size_t n_compares, const struct coord_op *ops,
                                  const uint64_t *leases, size_t n_ops, unsigned timeout_ms,
                                  bool *ret_succeeded, uint64_t *ret_revision)
{
    struct embedded *e = (struct embedded *)c;
    pthread_mutex_lock(&e->lock);
    struct error *error = txn_locked(e, compares, n_compares, ops, leases, n_ops, ret_succeeded);
    *ret_revision = e->revision;
    pthread_mutex_unlock(&e->lock);
    return error;
}

/* ---- leases ------------------------------------------------------------------------------- */

static struct error *embedded_lease_grant(struct coord *c, unsigned ttl_ms, unsigned timeout_ms,
                                          uint64_t *ret_lease, unsigned *ret_ttl_ms)
{
    struct embedded *e = (struct embedded *)c;
    uint64_t lease = (random_u64() >> 1) | 1;
    pthread_mutex_lock(&e->lock);
    map_put_u64(&e->leases, lease, e);
    pthread_mutex_unlock(&e->lock);
    *ret_lease = lease;
    *ret_ttl_ms = ttl_ms;
    return NULL;
}

static struct error *embedded_lease_keepalive(struct coord *c, uint64_t lease, unsigned timeout_ms,
                                              unsigned *ret_ttl_ms)
{
    struct embedded *e = (struct embedded *)c;
    pthread_mutex_lock(&e->lock);
    *ret_ttl_ms = map_get_u64(&e->leases, lease) ? COORD_SESSION_TTL_MS : 0;
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

/* Deletes the listed keys in one transaction. */
static struct error *delete_all(struct embedded *e, const struct coord_list *l)
{
    if (!l->n)
        return NULL;
    TRY(run(e, STMT_BEGIN));
    struct batch *b = batch_new(l->n);
    b->revision = e->revision + 1;
    struct error *error = NULL;
    for (size_t i = 0; i < l->n && !error; i++)
        error = apply_delete(e, l->kvs[i].key, b);
    return finish(e, b, error);
}

static struct error *embedded_lease_revoke(struct coord *c, uint64_t lease, unsigned timeout_ms)
{
    struct embedded *e = (struct embedded *)c;
    pthread_mutex_lock(&e->lock);
    map_remove_u64(&e->leases, lease);
    struct coord_list l = {0};
    sqlite3_bind_int64(stmt_of(e, STMT_BY_LEASE), 1, (sqlite3_int64)lease);
    struct error *error = collect(e, stmt_of(e, STMT_BY_LEASE), &l);
    if (!error)
        error = delete_all(e, &l);
    coord_list_done(&l);
    pthread_mutex_unlock(&e->lock);
    return error;
}

/* ---- watches ------------------------------------------------------------------------------ */

struct embedded_watch {
    struct coord_watch base;
    struct embedded *e;
    struct coord_watcher watcher;
    char *prefix;
    pthread_t thread;
    uint64_t after; /* the thread's */
    bool stop;      /* guarded by e->lock */
};

/* Gives the watcher what concerns it of one transaction. Called without the lock: a batch does not
 * change. */
static void deliver(struct embedded_watch *w, const struct batch *b)
{
    struct coord_event *events = mem_alloc(b->n * sizeof(*events));
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++)
        if (coord__has_prefix(b->events[i].kv.key, w->prefix))
            events[n++] = b->events[i];
    if (n)
        w->watcher.events(w->watcher.ctx, b->revision, events, n);
    mem_free(events);
}

/* One step of the watch, with the lock held (given up meanwhile). */
static void watch_step(struct embedded_watch *w)
{
    struct embedded *e = w->e;
    if (w->after == e->revision) {
        pthread_cond_wait(&e->changed, &e->lock);
    } else if (w->after > e->revision || w->after + 1 < e->ring_first) {
        pthread_mutex_unlock(&e->lock);
        uint64_t loaded = w->watcher.resync(w->watcher.ctx);
        pthread_mutex_lock(&e->lock);
        if (loaded)
            w->after = loaded;
        else if (!w->stop)
            coord__cond_wait(&e->changed, &e->lock, clock_ms() + 200);
    } else {
        struct batch *b = e->ring[(w->after + 1) % RING];
        b->refs++;
        pthread_mutex_unlock(&e->lock);
        deliver(w, b);
        w->after = b->revision;
        pthread_mutex_lock(&e->lock);
        batch_unref(b);
    }
}

static void *watch_main(void *arg)
{
    struct embedded_watch *w = arg;
    if (w->watcher.connected)
        w->watcher.connected(w->watcher.ctx, true);
    pthread_mutex_lock(&w->e->lock);
    while (!w->stop)
        watch_step(w);
    pthread_mutex_unlock(&w->e->lock);
    return NULL;
}

static void embedded_watch_close(struct coord_watch *base)
{
    struct embedded_watch *w = (struct embedded_watch *)base;
    pthread_mutex_lock(&w->e->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->e->changed);
    pthread_mutex_unlock(&w->e->lock);
    pthread_join(w->thread, NULL);
    mem_free(w->prefix);
    mem_free(w);
}

static struct error *embedded_watch(struct coord *c, const char *prefix, uint64_t after,
                                    const struct coord_watcher *watcher, struct coord_watch **ret)
{
    struct embedded_watch *w = NEW(struct embedded_watch);
    *w = (struct embedded_watch){.base.close = embedded_watch_close,
                                 .e = (struct embedded *)c,
                                 .watcher = *watcher,
                                 .prefix = mem_strdup(prefix),
                                 .after = after};
    int err = pthread_create(&w->thread, NULL, watch_main, w);
    if (err) {
        mem_free(w->prefix);
        mem_free(w);
        return error_errno(E_OUT_OF_MEMORY, err, "could not start a thread");
    }
    *ret = &w->base;
    return NULL;
}

/* ---- life --------------------------------------------------------------------------------- */

static void embedded_free(struct coord *c)
{
    struct embedded *e = (struct embedded *)c;
    for (int i = 0; i < STMT_COUNT; i++)
        sqlite3_finalize(e->stmts[i]);
    sqlite3_close(e->db);
    for (size_t i = 0; i < RING; i++)
        batch_unref(e->ring[i]);
    map_done(&e->leases);
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->lock);
    mem_free(e->path);
    mem_free(e);
}

static struct error *read_number(struct embedded *e, const char *sql, uint64_t *ret)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(e->db, sql, -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        *ret = (uint64_t)sqlite3_column_int64(s, 0);
    struct error *error = rc == SQLITE_ROW ? NULL : store_error(e, rc);
    sqlite3_finalize(s);
    return error;
}

static struct error *create_schema(struct embedded *e)
{
    uint64_t format = 0;
    TRY(read_number(e, "PRAGMA user_version", &format));
    if (format > FILE_FORMAT)
        return error_hint(error_new(E_UNSUPPORTED, "\"%s\" has format %llu, this server knows %d",
                                    e->path, (unsigned long long)format, FILE_FORMAT),
                          "It was written by a newer version; run that version or a newer one.");
    TRY(exec(e, "BEGIN IMMEDIATE;"
                "CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value BLOB NOT NULL,"
                " created INTEGER NOT NULL, modified INTEGER NOT NULL, lease INTEGER NOT NULL)"
                " STRICT, WITHOUT ROWID;"
                "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL)"
                " STRICT, WITHOUT ROWID;"
                "INSERT OR IGNORE INTO meta VALUES ('revision', 1);"
                "PRAGMA user_version = 1;"
                "COMMIT"));
    return NULL;
}

/* Invariant 4: nobody keeps the leases of a process that is gone. */
static struct error *delete_leased(struct embedded *e)
{
    struct coord_list l = {0};
    TRY(collect(e, stmt_of(e, STMT_LEASED), &l));
    struct error *error = delete_all(e, &l);
    coord_list_done(&l);
    return error;
}

static struct error *open_file(struct embedded *e)
{
    int rc = sqlite3_open_v2(
        e->path, &e->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        return store_error(e, rc);
    TRY(exec(e, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                "PRAGMA synchronous = FULL"));
    TRY(create_schema(e));
    for (int i = 0; i < STMT_COUNT; i++) {
        rc = sqlite3_prepare_v3(e->db, stmt_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &e->stmts[i],
                                NULL);
        if (rc != SQLITE_OK)
            return store_error(e, rc);
    }
    TRY(read_number(e, "SELECT value FROM meta WHERE name = 'revision'", &e->revision));
    e->ring_first = e->revision + 1;
    return delete_leased(e);
}

static const struct coord_store_ops embedded_ops = {
    .free = embedded_free,
    .range = embedded_range,
    .txn = embedded_txn,
    .lease_grant = embedded_lease_grant,
    .lease_keepalive = embedded_lease_keepalive,
    .lease_revoke = embedded_lease_revoke,
    .watch = embedded_watch,
};

struct error *coord__embedded_open(const char *dir, struct coord **ret)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return error_hint(error_errno(E_IO, errno, "could not create directory \"%s\"", dir),
                          "Check the path given with --data.");
    struct embedded *e = NEW(struct embedded);
    e->base.ops = &embedded_ops;
    e->path = mem_printf("%s/coord.db", dir);
    pthread_mutex_init(&e->lock, NULL);
    coord__cond_init(&e->changed);
    struct error *error = open_file(e);
    if (error) {
        embedded_free(&e->base);
        return error;
    }
    *ret = &e->base;
    return NULL;
}
