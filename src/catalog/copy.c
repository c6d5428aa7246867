/*
 * A copy of those records that no region's file has, in the server's data directory: sequences, and
 * objects (schemas, databases, views, types, comments). Regions' files carry the records of their
 * tables; with both, the store can be made anew when all of it is lost (`minisql recover store`).
 *
 *   - All that the watch tells goes in, by a thread of its own: within a moment. What this server
 *     itself has changed, it puts in before anybody hears of the change (catalog__commit).
 *   - A server that takes a block of a sequence's values puts in the record that says so before it
 *     hands out any of them. A sequence's record with the highest revision, among all servers'
 *     copies, is therefore beyond all values that were ever given.
 *
 * Revisions are the store's. One that was made anew counts from the beginning, so each has an era,
 * which the cluster's record tells: (era, revision) orders all copies.
 */
#include "catalog/catalog_int.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

struct pending {
    struct pending *next;
    char *key, *value; /* value NULL: it is deleted */
    size_t len;
    uint64_t revision;
};

struct catalog_copy {
    struct catalog *catalog;
    pthread_t thread;
    bool running;         /* the thread */
    pthread_mutex_t lock; /* guards all that follows; held while writing, never while reading the
                             store */
    pthread_cond_t changed;
    sqlite3 *db;
    sqlite3_stmt *put, *drop, *seen;
    struct pending *first, **end;
    uint64_t revision; /* of the newest that is pending, or was written */
    bool reload;       /* what was written is not to be relied on */
    bool stopping;
};

static struct error *failed(sqlite3 *db, int rc, const char *path)
{
    const char *state = (rc & 0xff) == SQLITE_FULL                                      ? "53100"
                        : (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB ? E_DAMAGED
                                                                                        : E_IO;
    return error_hint(error_new(state, "%s: %s", path ? path : CATALOG_COPY_FILE,
                                db ? sqlite3_errmsg(db) : sqlite3_errstr(rc)),
                      "The data directory must be writable, with room on its disk.");
}

static struct error *run(sqlite3 *db, const char *sql)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc ? failed(db, rc, NULL) : NULL;
}

static struct error *step(sqlite3 *db, sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);
    struct error *e = rc == SQLITE_DONE ? NULL : failed(db, rc, NULL);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return e;
}

/* ---- writing; `lock` held ------------------------------------------------------------------- */

static struct error *put_record(struct catalog_copy *k, const char *key, const char *value,
                                size_t len, uint64_t revision)
{
    sqlite3_stmt *stmt = value ? k->put : k->drop;
    sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, (sqlite3_int64)revision);
    if (value)
        sqlite3_bind_text64(stmt, 3, value, len, SQLITE_STATIC, SQLITE_UTF8);
    return step(k->db, stmt);
}

static struct error *finish(struct catalog_copy *k, struct error *e)
{
    if (!e)
        e = run(k->db, "COMMIT");
    if (e && !sqlite3_get_autocommit(k->db))
        error_free(run(k->db, "ROLLBACK"));
    k->reload |= e != NULL;
    return e;
}

static void forget_pending(struct catalog_copy *k)
{
    for (struct pending *p; (p = k->first);) {
        k->first = p->next;
        mem_free(p->key);
        mem_free(p->value);
        mem_free(p);
    }
    k->end = &k->first;
}

static struct error *write_pending(struct catalog_copy *k)
{
    if (!k->first)
        return NULL;
    TRY(run(k->db, "BEGIN IMMEDIATE"));
    struct error *e = NULL;
    for (struct pending *p = k->first; p && !e; p = p->next)
        e = put_record(k, p->key, p->value, p->len, p->revision);
    if (!e && !k->reload) {
        sqlite3_bind_int64(k->seen, 1, (sqlite3_int64)k->revision);
        e = step(k->db, k->seen);
    }
    e = finish(k, e);
    forget_pending(k);
    return e;
}

static bool is_kept(const char *key)
{
    return strncmp(key, KEY_OBJECTS, strlen(KEY_OBJECTS)) == 0 ||
           strncmp(key, KEY_SEQUENCES, strlen(KEY_SEQUENCES)) == 0;
}

static uint64_t era_of(const struct coord_list *cluster)
{
    if (!cluster->n)
        return 0;
    json_t *o = json_loadb(cluster->kvs[0].value, cluster->kvs[0].value_len, 0, NULL);
    uint64_t era = (uint64_t)json_integer_value(json_object_get(o, "era"));
    json_decref(o);
    return era;
}

/* A repaired record of the cluster may not know the era: it never goes back. */
static uint64_t written_era(struct catalog_copy *k)
{
    sqlite3_stmt *stmt;
    uint64_t era = 0;
    if (sqlite3_prepare_v2(k->db, "SELECT era FROM state", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        era = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return era;
}

static struct error *write_all(struct catalog_copy *k, uint64_t era, const struct coord_list *lists,
                               size_t n)
{
    TRY(run(k->db, "BEGIN IMMEDIATE"));
    struct error *e = run(k->db, "DELETE FROM records; DELETE FROM state");
    for (size_t l = 0; l < n; l++)
        for (size_t i = 0; i < lists[l].n && !e; i++)
            e = put_record(k, lists[l].kvs[i].key, lists[l].kvs[i].value, lists[l].kvs[i].value_len,
                           lists[l].kvs[i].mod_revision);
    if (!e) {
        char sql[120];
        snprintf(sql, sizeof(sql), "INSERT INTO state (id, era, revision) VALUES (1, %llu, %llu)",
                 (unsigned long long)era, (unsigned long long)lists[0].revision);
        e = run(k->db, sql);
    }
    return finish(k, e);
}

/* From the store. What changes meanwhile is pending, and comes on top. */
static struct error *load(struct catalog_copy *k)
{
    struct coord_list lists[2] = {{0}}, cluster = {0};
    struct coord *store = k->catalog->coord;
    struct error *e = coord_get(store, KEY_CLUSTER, CALL_MS, &cluster);
    if (!e)
        e = coord_list(store, KEY_OBJECTS, CALL_MS, &lists[0]); /* the older revision counts */
    if (!e)
        e = coord_list(store, KEY_SEQUENCES, CALL_MS, &lists[1]);
    if (!e) {
        pthread_mutex_lock(&k->lock);
        k->reload = false;
        e = write_all(k, MAX(era_of(&cluster), written_era(k)), lists, ARRAY_LEN(lists));
        pthread_mutex_unlock(&k->lock);
    }
    coord_list_done(&lists[0]);
    coord_list_done(&lists[1]);
    coord_list_done(&cluster);
    return e;
}

/* ---- what the catalog tells ------------------------------------------------------------------ */

void catalog__copy_events(struct catalog_copy *k, uint64_t revision,
                          const struct coord_event *events, size_t n)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < n; i++) {
        const struct coord_kv *kv = &events[i].kv;
        if (!is_kept(kv->key))
            continue;
        struct pending *p = NEW(struct pending);
        *p = (struct pending){.key = mem_strdup(kv->key), .revision = kv->mod_revision};
        if (!events[i].deleted) {
            p->value = mem_strndup(kv->value, kv->value_len);
            p->len = kv->value_len;
        }
        *k->end = p;
        k->end = &p->next;
    }
    k->revision = MAX(k->revision, revision);
    if (k->first)
        pthread_cond_signal(&k->changed);
    pthread_mutex_unlock(&k->lock);
}

void catalog__copy_reload(struct catalog_copy *k)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->lock);
    k->reload = true;
    pthread_cond_signal(&k->changed);
    pthread_mutex_unlock(&k->lock);
}

struct error *catalog__copy_put(struct catalog_copy *k, const char *key, const char *value,
                                uint64_t revision)
{
    if (!k)
        return NULL;
    pthread_mutex_lock(&k->lock);
    struct error *e = run(k->db, "BEGIN IMMEDIATE");
    if (!e)
        e = finish(k, put_record(k, key, value, strlen(value), revision));
    pthread_mutex_unlock(&k->lock);
    return e;
}

void catalog__copy_flush(struct catalog_copy *k)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->lock);
    struct error *e = write_pending(k);
    pthread_mutex_unlock(&k->lock);
    if (e)
        log_failure(LOG_WARN, e, "catalog: the copy in the data directory");
    error_free(e);
}

/* ---- its thread ------------------------------------------------------------------------------ */

static void *keep(void *arg)
{
    struct catalog_copy *k = arg;
    enum { RETRY_MS = 5000 };
    uint64_t retry_ms = 0;
    pthread_mutex_lock(&k->lock);
    while (!k->stopping) {
        struct error *e = write_pending(k);
        bool reload = k->reload && clock_ms() >= retry_ms;
        if (!k->first && !reload && !k->stopping) {
            struct timespec t;
            clock_gettime(CLOCK_REALTIME, &t);
            t.tv_sec += k->reload ? 1 : 60;
            pthread_cond_timedwait(&k->changed, &k->lock, &t);
        }
        pthread_mutex_unlock(&k->lock);
        if (!e && reload)
            e = load(k);
        if (e) {
            log_failure(LOG_WARN, e, "catalog: the copy in the data directory");
            catalog__copy_reload(k);
            retry_ms = clock_ms() + RETRY_MS;
        }
        error_free(e);
        pthread_mutex_lock(&k->lock);
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

static void close_db(struct catalog_copy *k)
{
    sqlite3_finalize(k->put);
    sqlite3_finalize(k->drop);
    sqlite3_finalize(k->seen);
    sqlite3_close(k->db);
    k->put = k->drop = k->seen = NULL;
    k->db = NULL;
}

static struct error *open_file(struct catalog_copy *k, const char *path)
{
    static const char *const create =
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, era INTEGER NOT NULL,"
        " revision INTEGER NOT NULL) STRICT;"
        "CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, revision INTEGER NOT NULL,"
        " value TEXT NOT NULL) STRICT;";
    const struct {
        const char *sql;
        sqlite3_stmt **ret;
    } own[] = {{"INSERT INTO records (key, revision, value) VALUES (?1, ?2, ?3) ON CONFLICT (key)"
                " DO UPDATE SET revision = ?2, value = ?3 WHERE revision <= ?2",
                &k->put},
               {"DELETE FROM records WHERE key = ?1 AND revision <= ?2", &k->drop},
               {"UPDATE state SET revision = max(revision, ?1)", &k->seen}};
    int rc = sqlite3_open_v2(path, &k->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
                             "unix-excl");
    if (!rc)
        rc = sqlite3_exec(k->db, create, NULL, NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(own) && !rc; i++)
        rc = sqlite3_prepare_v3(k->db, own[i].sql, -1, SQLITE_PREPARE_PERSISTENT, own[i].ret, NULL);
    return rc ? failed(k->db, rc, path) : NULL;
}

/* One that is damaged is made anew: the store lives. */
static struct error *open_anew(struct catalog_copy *k, const char *path)
{
    struct error *e = open_file(k, path);
    if (!e)
        e = run(k->db, "SELECT * FROM records; SELECT * FROM state");
    if (!error_is(e, E_DAMAGED))
        return e;
    log_failure(LOG_WARN, e, "catalog: a damaged copy is made anew");
    error_free(e);
    _cleanup_(mem_freep) char *wal = mem_printf("%s-wal", path);
    close_db(k);
    unlink(path);
    unlink(wal);
    return open_file(k, path);
}

static void close_file(struct catalog_copy *k)
{
    close_db(k);
    forget_pending(k);
    pthread_mutex_destroy(&k->lock);
    pthread_cond_destroy(&k->changed);
    mem_free(k);
}

/* May be called again after an error. */
struct error *catalog_keep_copy(struct catalog *c, const char *path)
{
    struct catalog_copy *k = atomic_load(&c->copy);
    if (!k) {
        k = NEW(struct catalog_copy);
        k->catalog = c;
        k->end = &k->first;
        k->reload = true;
        pthread_mutex_init(&k->lock, NULL);
        pthread_cond_init(&k->changed, NULL);
        struct error *e = open_anew(k, path);
        if (e) {
            close_file(k);
            return e;
        }
        atomic_store(&c->copy, k); /* from here on, changes are pending */
    }
    TRY(load(k));
    if (!k->running && pthread_create(&k->thread, NULL, keep, k) != 0)
        return error_new(E_OUT_OF_MEMORY, "a thread cannot be started");
    k->running = true;
    return NULL;
}

void catalog__copy_close(struct catalog_copy *k)
{
    if (!k)
        return;
    catalog__copy_flush(k);
    pthread_mutex_lock(&k->lock);
    k->stopping = true;
    pthread_cond_signal(&k->changed);
    pthread_mutex_unlock(&k->lock);
    if (k->running)
        pthread_join(k->thread, NULL);
    close_file(k);
}

/* ---- reading, of a stopped server --------------------------------------------------------------
 */

static struct error *read_file(sqlite3 *db, uint64_t *ret_era, uint64_t *ret_revision,
                               catalog_copy_fn *row, void *ctx)
{
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(db, "SELECT era, revision FROM state", -1, &stmt, NULL);
    if (!rc && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        *ret_era = (uint64_t)sqlite3_column_int64(stmt, 0);
        *ret_revision = (uint64_t)sqlite3_column_int64(stmt, 1);
    }
    sqlite3_finalize(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return failed(db, rc, NULL);
    rc = sqlite3_prepare_v2(db, "SELECT key, revision, value FROM records", -1, &stmt, NULL);
    while (!rc && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        row(ctx, (const char *)sqlite3_column_text(stmt, 0),
            (uint64_t)sqlite3_column_int64(stmt, 1), (const char *)sqlite3_column_text(stmt, 2));
        rc = SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? NULL : failed(db, rc, NULL);
}

struct error *catalog_read_copy(const char *path, uint64_t *ret_era, uint64_t *ret_revision,
                                catalog_copy_fn *row, void *ctx)
{
    sqlite3 *db = NULL;
    *ret_era = *ret_revision = 0;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "unix-excl");
    struct error *e = rc ? failed(db, rc, path) : NULL;
    if (!e) {
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        e = read_file(db, ret_era, ret_revision, row, ctx);
    }
    sqlite3_close(db);
    return e;
}
