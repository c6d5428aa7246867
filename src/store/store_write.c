/*
 * The writer's transaction.
 *
 *   idle --store_begin--> open --store_commit--> idle
 *                          |  \--store_rollback--> idle
 *
 * SQLite ends a transaction by itself when the disk is full or fails, and when a statement that
 * writes is interrupted. Then marks and commit say so, and store_rollback brings the store back to
 * idle.
 *
 * While the SQLite WAL is being reset (store_upkeep.c), store_begin waits: that is short.
 */
#include "store_int.h"

#include <inttypes.h>

static struct error *not_open(void)
{
    return error_new(E_INTERNAL, "there is no open transaction in the region file");
}

/* The transaction is gone though nobody ended it. */
static struct error *was_ended(void)
{
    return error_hint(error_new(E_IO, "the region file's transaction was rolled back"),
                      "The disk is full or failed; an earlier error says which.");
}

bool store_ended(const struct store *s)
{
    return s->open && sqlite3_get_autocommit(s->writer->db);
}

static struct error *check_open(struct store *s)
{
    if (!s->open)
        return not_open();
    return store_ended(s) ? was_ended() : NULL;
}

/* ---- begin, commit, rollback -------------------------------------------------------------- */

static void enter(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->restarting)
        pthread_cond_wait(&s->gate, &s->lock);
    s->writing = true;
    pthread_mutex_unlock(&s->lock);
}

static void leave(struct store *s)
{
    s->open = false;
    if (s->deferring) /* so that what was compiled under it is compiled anew */
        sqlite3_exec(s->writer->db, "PRAGMA defer_foreign_keys = OFF", NULL, NULL, NULL);
    s->deferring = s->keys_hold = false;
    s->capture.on = false;
    s->n_marks = 0;
    pthread_mutex_lock(&s->lock);
    s->writing = false;
    pthread_cond_broadcast(&s->gate);
    pthread_mutex_unlock(&s->lock);
}

static void forget_captured(struct store *s)
{
    store__capture_cut(&s->capture, (struct store_place){0});
}

struct error *store_begin(struct store *s)
{
    if (s->open)
        return error_new(E_INTERNAL, "the region file has an open transaction already");
    TRY(store_wake(s));
    enter(s);
    struct error *e = store__run(s->writer, s->begin);
    if (e) {
        leave(s);
        return e;
    }
    forget_captured(s);
    s->open = true;
    s->capture.on = true;
    s->schema_version = s->meta.schema_version;
    s->n_ddl_before = s->n_ddl;
    return NULL;
}

static struct error *write_meta(struct store *s, const struct store_meta *m)
{
    sqlite3_bind_int64(s->set_meta, 1, (int64_t)m->applied_lsn);
    sqlite3_bind_int64(s->set_meta, 2, (int64_t)m->applied_epoch);
    sqlite3_bind_int64(s->set_meta, 3, (int64_t)m->schema_version);
    return store__run(s->writer, s->set_meta);
}

static struct error *commit(struct store *s, const struct store_meta *m)
{
    TRY(check_open(s));
    if (s->capture.failed)
        return error_copy(s->capture.failed);
    TRY(write_meta(s, m));
    return store__run(s->writer, s->commit);
}

struct error *store_commit(struct store *s, uint64_t applied_lsn, uint64_t applied_epoch)
{
    struct store_meta m = s->meta;
    m.applied_lsn = applied_lsn;
    m.applied_epoch = applied_epoch;
    m.schema_version = s->schema_version;
    struct error *e = commit(s, &m);
    if (e) {
        store_rollback(s);
        return e;
    }
    pthread_mutex_lock(&s->lock);
    s->meta = m;
    if (s->n_ddl != s->n_ddl_before)
        s->ddl_commit = s->commits;
    pthread_mutex_unlock(&s->lock);
    store__age_counts(s, s->commits);
    leave(s);
    return NULL;
}

void store_rollback(struct store *s)
{
    if (!s->open)
        return;
    if (!sqlite3_get_autocommit(s->writer->db)) {
        struct error *e = store__run(s->writer, s->rollback);
        error_free(e); /* SQLite has rolled back all the same */
    }
    if (s->n_ddl != s->n_ddl_before)
        store__forget_tables(s);
    forget_captured(s);
    leave(s);
}

bool store_has_violations(struct store *s)
{
    int now = 0, highest;
    if (s->open)
        sqlite3_db_status(s->writer->db, SQLITE_DBSTATUS_DEFERRED_FKS, &now, &highest, 0);
    return now != 0 && !s->keys_hold;
}

void store_keys_hold(struct store *s)
{
    s->keys_hold = true;
}

struct error *store_defer_foreign_keys(struct store *s, bool defer)
{
    TRY(check_open(s));
    s->deferring = defer;
    return store_exec(s->writer,
                      defer ? "PRAGMA defer_foreign_keys = ON" : "PRAGMA defer_foreign_keys = OFF");
}

/* ---- marks -------------------------------------------------------------------------------- */

struct error *store_mark(struct store *s)
{
    TRY(check_open(s));
    TRY(store__run(s->writer, s->mark));
    if (s->n_marks == s->cap_marks) {
        s->cap_marks = s->cap_marks ? s->cap_marks * 2 : 8;
        s->marks = mem_realloc(s->marks, s->cap_marks * sizeof(*s->marks));
    }
    s->marks[s->n_marks++] = (struct store_saved_mark){
        .captured = {.len = s->capture.bytes.len, .n_definitions = s->capture.n_definitions},
        .schema_version = s->schema_version,
        .n_ddl = s->n_ddl};
    return NULL;
}

struct error *store_release_mark(struct store *s)
{
    TRY(check_open(s));
    if (!s->n_marks)
        return error_new(E_INTERNAL, "there is no mark to release");
    TRY(store__run(s->writer, s->release_mark));
    s->n_marks--;
    return NULL;
}

struct error *store_rollback_to(struct store *s)
{
    TRY(check_open(s));
    if (!s->n_marks)
        return error_new(E_INTERNAL, "there is no mark to go back to");
    TRY(store__run(s->writer, s->rollback_to));
    TRY(store__run(s->writer, s->release_mark));
    const struct store_saved_mark *m = &s->marks[--s->n_marks];
    store__capture_cut(&s->capture, m->captured);
    s->schema_version = m->schema_version;
    if (s->n_ddl != m->n_ddl)
        store__forget_tables(s);
    return NULL;
}

void store_flush(struct store *s)
{
    if (s->open)
        sqlite3_db_cacheflush(s->writer->db); /* what it could not write, the commit will */
}

size_t store_marks(struct store *s)
{
    return s->n_marks;
}

/* ---- requests ----------------------------------------------------------------------------- */

struct error *store_put_request(struct store *s, const struct store_request *r, const void *result,
                                size_t len)
{
    TRY(check_open(s));
    sqlite3_stmt *stmt = s->put_request;
    sqlite3_bind_int64(stmt, 1, (int64_t)r->gateway);
    sqlite3_bind_int64(stmt, 2, r->slot);
    sqlite3_bind_int64(stmt, 3, (int64_t)r->seq);
    int rc = sqlite3_bind_blob64(stmt, 4, len ? result : "", len, SQLITE_STATIC);
    if (rc)
        return types_sqlite_error(s->writer->db, rc);
    struct error *e = store__run(s->writer, stmt);
    sqlite3_clear_bindings(stmt);
    return e;
}

static struct error *stale_request(const struct store_request *r, uint64_t newer)
{
    return error_new(E_PROTOCOL,
                     "request %" PRIu64 " of gateway %" PRIu64 ", slot %" PRIu32
                     " comes after request %" PRIu64,
                     r->seq, r->gateway, r->slot, newer);
}

enum { FOLDED = -1, FOLDED_GATEWAYS = 1000 };

static int step_request(sqlite3_stmt *stmt, uint64_t gateway, int64_t slot)
{
    sqlite3_bind_int64(stmt, 1, (int64_t)gateway);
    sqlite3_bind_int64(stmt, 2, slot);
    return sqlite3_step(stmt);
}

struct error *store_find_request(struct store *s, const struct store_request *r, struct arena *a,
                                 bool *ret_found, const char **ret, size_t *ret_len)
{
    TRY(store_wake(s));
    sqlite3_stmt *stmt = s->find_request;
    struct error *e = NULL;
    bool found = false;
    int rc = step_request(stmt, r->gateway, r->slot);
    if (rc == SQLITE_DONE) {
        sqlite3_reset(stmt);
        rc = step_request(stmt, r->gateway, FOLDED);
        if (rc == SQLITE_ROW && (uint64_t)sqlite3_column_int64(stmt, 0) < r->seq)
            rc = SQLITE_DONE;
        else if (rc == SQLITE_ROW) { /* it may be one of those */
            e = stale_request(r, (uint64_t)sqlite3_column_int64(stmt, 0));
            sqlite3_reset(stmt);
            return e;
        }
    }
    if (rc == SQLITE_ROW) {
        uint64_t seq = (uint64_t)sqlite3_column_int64(stmt, 0);
        found = seq == r->seq;
        if (seq > r->seq)
            e = stale_request(r, seq);
    } else if (rc != SQLITE_DONE) {
        e = types_sqlite_error(s->writer->db, rc);
    }
    if (found) {
        const void *p = sqlite3_column_blob(stmt, 1);
        *ret_len = (size_t)sqlite3_column_bytes(stmt, 1);
        char *copy = arena_alloc(a, *ret_len + 1);
        if (*ret_len)
            memcpy(copy, p, *ret_len);
        *ret = copy;
    }
    sqlite3_reset(stmt);
    if (!e)
        *ret_found = found;
    return e;
}

struct error *store_requests(struct store_conn *c, size_t most, struct store_request **ret,
                             size_t *ret_n)
{
    static const char *const sql =
        "SELECT gateway, slot, seq FROM minisql_requests WHERE slot >= 0 LIMIT ?1";
    sqlite3_stmt *stmt;
    size_t n = 0, cap = 0;
    struct store_request *list = NULL;
    int rc;
    TRY(store_prepare(c, sql, strlen(sql), &stmt));
    sqlite3_bind_int64(stmt, 1, (int64_t)most);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (n == cap) {
            cap = MAX((size_t)64, cap * 2);
            list = mem_realloc(list, cap * sizeof(*list));
        }
        list[n++] = (struct store_request){.gateway = (uint64_t)sqlite3_column_int64(stmt, 0),
                                           .slot = (uint32_t)sqlite3_column_int64(stmt, 1),
                                           .seq = (uint64_t)sqlite3_column_int64(stmt, 2)};
    }
    struct error *e = rc == SQLITE_DONE ? NULL : types_sqlite_error(store_db(c), rc);
    store_release(c, stmt);
    if (e) {
        mem_free(list);
        return e;
    }
    *ret = list;
    *ret_n = n;
    return NULL;
}

/* Gateways are numbered as they start: of those that have nothing but such a row the newest stay.
 */
void store_fold_requests(const struct store_request *requests, size_t n, struct buf *ret_sql)
{
    struct buf list = {0};
    for (size_t i = 0; i < n; i++)
        buf_printf(&list, "%s(%" PRIu64 ", %" PRIu32 ", %" PRIu64 ")", i ? ", " : "",
                   requests[i].gateway, requests[i].slot, requests[i].seq);
    buf_printf(ret_sql,
               "WITH old (gateway, slot, seq) AS (VALUES %s) "
               "INSERT INTO minisql_requests (gateway, slot, seq, result) "
               "SELECT r.gateway, %d, max(r.seq), x'' FROM old JOIN minisql_requests r "
               "USING (gateway, slot, seq) WHERE true GROUP BY r.gateway "
               "ON CONFLICT (gateway, slot) DO UPDATE SET seq = max(seq, excluded.seq);\n"
               "DELETE FROM minisql_requests WHERE (gateway, slot, seq) IN (VALUES %s);\n"
               "DELETE FROM minisql_requests WHERE slot = %d AND gateway <= "
               "(SELECT gateway FROM minisql_requests WHERE slot = %d ORDER BY gateway DESC "
               "LIMIT 1 OFFSET %d);\n",
               list.data, FOLDED, list.data, FOLDED, FOLDED, FOLDED_GATEWAYS);
    buf_done(&list);
}

struct error *store_reader_request(struct store_conn *c, const struct store_request *r,
                                   bool *ret_found)
{
    static const char *const sql = "SELECT 1 FROM minisql_requests"
                                   " WHERE gateway = ?1 AND slot = ?2 AND seq = ?3";
    sqlite3_stmt *stmt;
    TRY(store_prepare(c, sql, strlen(sql), &stmt));
    sqlite3_bind_int64(stmt, 1, (int64_t)r->gateway);
    sqlite3_bind_int64(stmt, 2, r->slot);
    sqlite3_bind_int64(stmt, 3, (int64_t)r->seq);
    int rc = sqlite3_step(stmt);
    struct error *e =
        rc == SQLITE_ROW || rc == SQLITE_DONE ? NULL : types_sqlite_error(store_db(c), rc);
    store_release(c, stmt);
    *ret_found = rc == SQLITE_ROW;
    return e;
}

/* ---- decisions ---------------------------------------------------------------------------- */

struct error *store_put_decision(struct store *s, const struct store_request *r,
                                 const void *participants, size_t len)
{
    TRY(check_open(s));
    sqlite3_stmt *stmt = s->put_decision;
    sqlite3_bind_int64(stmt, 1, (int64_t)r->gateway);
    sqlite3_bind_int64(stmt, 2, (int64_t)r->seq);
    int rc = sqlite3_bind_blob64(stmt, 3, participants, len, SQLITE_STATIC);
    struct error *e = rc ? types_sqlite_error(s->writer->db, rc) : store__run(s->writer, stmt);
    sqlite3_clear_bindings(stmt);
    return e;
}

struct error *store_reader_decision(struct store_conn *c, const struct store_request *r,
                                    bool *ret_found)
{
    static const char *const sql =
        "SELECT 1 FROM minisql_decisions WHERE gateway = ?1 AND seq = ?2";
    sqlite3_stmt *stmt;
    TRY(store_prepare(c, sql, strlen(sql), &stmt));
    sqlite3_bind_int64(stmt, 1, (int64_t)r->gateway);
    sqlite3_bind_int64(stmt, 2, (int64_t)r->seq);
    int rc = sqlite3_step(stmt);
    struct error *e =
        rc == SQLITE_ROW || rc == SQLITE_DONE ? NULL : types_sqlite_error(store_db(c), rc);
    store_release(c, stmt);
    *ret_found = rc == SQLITE_ROW;
    return e;
}

static void read_decision(sqlite3_stmt *stmt, struct arena *a, struct store_decision *ret)
{
    struct reader r =
        reader_of(sqlite3_column_blob(stmt, 2), (size_t)sqlite3_column_bytes(stmt, 2));
    size_t n = reader_left(&r) / sizeof(uint64_t);
    *ret = (struct store_decision){.gateway = (uint64_t)sqlite3_column_int64(stmt, 0),
                                   .seq = (uint64_t)sqlite3_column_int64(stmt, 1),
                                   .participants = ARENA_ARRAY(a, uint64_t, n + 1),
                                   .n_participants = n};
    for (size_t i = 0; i < n; i++)
        ret->participants[i] = read64(&r);
}

struct error *store_decisions(struct store_conn *c, size_t most, struct arena *a,
                              struct store_decision **ret, size_t *ret_n)
{
    static const char *const sql =
        "SELECT gateway, seq, participants FROM minisql_decisions LIMIT ?1";
    sqlite3_stmt *stmt;
    int rc;
    TRY(store_prepare(c, sql, strlen(sql), &stmt));
    sqlite3_bind_int64(stmt, 1, (int64_t)most);
    *ret = ARENA_ARRAY(a, struct store_decision, most);
    *ret_n = 0;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && *ret_n < most)
        read_decision(stmt, a, &(*ret)[(*ret_n)++]);
    struct error *e =
        rc == SQLITE_ROW || rc == SQLITE_DONE ? NULL : types_sqlite_error(store_db(c), rc);
    store_release(c, stmt);
    return e;
}

void store_forget_decisions(const struct store_decision *decisions, size_t n, struct buf *ret_sql)
{
    buf_puts(ret_sql, "DELETE FROM minisql_decisions WHERE (gateway, seq) IN (VALUES ");
    for (size_t i = 0; i < n; i++)
        buf_printf(ret_sql, "%s(%" PRId64 ", %" PRId64 ")", i ? ", " : "",
                   (int64_t)decisions[i].gateway, (int64_t)decisions[i].seq);
    buf_puts(ret_sql, ");\n");
}

/* ---- DDL ---------------------------------------------------------------------------------- */

static struct error *run_all(sqlite3 *db, const char *sql, size_t len)
{
    const char *end = sql + len;
    while (sql < end) {
        sqlite3_stmt *stmt;
        const char *tail = end;
        if (end - sql > INT32_MAX)
            return error_new("54000", "statement is too long");
        int rc = sqlite3_prepare_v2(db, sql, (int)(end - sql), &stmt, &tail);
        if (!rc && stmt) {
            while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
            }
            rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
        }
        struct error *e = rc ? types_sqlite_error(db, rc) : NULL;
        sqlite3_finalize(stmt);
        TRY(e);
        sql = tail;
    }
    return NULL;
}

static struct error *run_ddl(struct store *s, const char *sql, size_t len)
{
    TRY(store__set_mode(s->writer, STORE_DDL));
    struct error *e = run_all(s->writer->db, sql, len);
    sqlite3_db_config(s->writer->db, SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0, NULL); /* if it failed */
    TRY(e);
    return check_open(s); /* the text must not end the transaction */
}

struct error *store_apply_ddl(struct store *s, const char *sql, size_t len, uint64_t schema_version)
{
    TRY(check_open(s));
    s->capture.on = false;
    s->schema_version = schema_version;
    s->n_ddl++;
    struct error *e = run_ddl(s, sql, len);
    store__forget_tables(s);
    s->capture.on = true;
    return e;
}

struct error *store_change_schema(struct store *s, const char *sql, size_t len,
                                  uint64_t schema_version)
{
    uint64_t version = schema_version ? schema_version : s->schema_version;
    if (store_has_violations(s)) /* what SQLite counts would not go with a table */
        return error_hint(error_new("55006", "cannot change the schema because a table has pending "
                                             "trigger events"),
                          "Foreign keys that are checked at COMMIT are violated now: do first what "
                          "satisfies them, or COMMIT.");
    TRY(store_apply_ddl(s, sql, len, version));
    if (!s->capture.bytes.len)
        buf_put8(&s->capture.bytes, STORE_CHANGES_VERSION);
    store__put_ddl(&s->capture.bytes, sql, len, version);
    return NULL;
}
