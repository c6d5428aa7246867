/* region: one server's replicas over the embedded store: writing, retrying, transactions, recovery.
 */
#include "region/region.h"
#include "wal/wal.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void ok(struct error *e)
{
    if (e)
        print_error("%s: %s %s\n", e->sqlstate, e->message, e->detail ? e->detail : "");
    assert_null(e);
}

static void fails(struct error *e, const char *sqlstate)
{
    assert_non_null(e);
    assert_string_equal(e->sqlstate, sqlstate);
    error_free(e);
}

/* ---- a server, its table t (a integer primary key, b text) in region `region` ------------------
 */

struct fixture {
    char dir[64];
    struct coord *coord;
    struct catalog *catalog;
    struct regions *regions;
    uint64_t region;
    uint64_t changes; /* of its schema */
};

static void became_master(void *ctx, bool is)
{
    (void)ctx, (void)is;
}

static void start(struct fixture *f)
{
    ok(coord_open("embedded", f->dir, &f->coord));
    ok(catalog_open(f->coord, 5000, &f->catalog));
    struct server self = {.name = (char *)"s1", .address = (char *)"127.0.0.1:1", .region = true};
    ok(catalog_register(f->catalog, &self));
    ok(catalog_campaign(f->catalog, "s1", became_master, NULL));
    for (int i = 0; i < 1000 && !catalog_is_master(f->catalog); i++)
        sleep_ms(5);
    assert_true(catalog_is_master(f->catalog));
    struct regions_options o = {.name = "s1", .dir = f->dir, .catalog = f->catalog};
    ok(regions_open(&o, &f->regions));
}

static void stop(struct fixture *f)
{
    regions_close(f->regions, 0);
    catalog_close(f->catalog);
    coord_close(f->coord);
}

/* In a region of its own. */
static void create_named(struct fixture *f, const char *name)
{
    ok(catalog_next_id(f->catalog, &f->region));
    _cleanup_(mem_freep) char *ddl =
        mem_printf("CREATE TABLE \"%s\" (\"a\" INTEGER PRIMARY KEY, \"b\" TEXT) STRICT", name);
    struct column columns[] = {
        {.name = (char *)"a", .type = OID_INT4, .typmod = -1, .not_null = true},
        {.name = (char *)"b", .type = OID_TEXT, .typmod = -1}};
    struct table t = {.id = f->region + 1000,
                      .schema = (char *)"public",
                      .name = (char *)(uintptr_t)name,
                      .version = 1,
                      .region = f->region,
                      .n_columns = 2,
                      .columns = columns,
                      .ddl = ddl};
    struct region r = {
        .id = f->region, .epoch = 1, .schema_version = 1, .copies = 1, .primary = (char *)"s1"};
    ok(catalog_create_table(f->catalog, &t, &r));
}

static void create_table(struct fixture *f)
{
    create_named(f, "t");
}

static int set_up(void **state)
{
    struct fixture *f = NEW(struct fixture);
    snprintf(f->dir, sizeof(f->dir), "/tmp/test-region-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    start(f);
    create_table(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    stop(f);
    char command[100];
    snprintf(command, sizeof(command), "rm -rf %s", f->dir);
    assert_int_equal(system(command), 0);
    mem_free(f);
    return 0;
}

/* ---- statements
 * ---------------------------------------------------------------------------------- */

static struct error *run_sql(void *ctx, struct store *s, struct buf *result)
{
    struct store_conn *c = store_writer(s);
    sqlite3_stmt *stmt;
    TRY(store_prepare(c, ctx, strlen(ctx), &stmt));
    int rc = sqlite3_step(stmt);
    struct error *e =
        rc == SQLITE_DONE || rc == SQLITE_ROW ? NULL : types_sqlite_error(store_db(c), rc);
    store_release(c, stmt);
    if (!e)
        buf_printf(result, "done %d", sqlite3_changes(store_db(c)));
    return e;
}

static struct error *write_sql(struct fixture *f, uint64_t seq, const char *sql)
{
    struct region_write w = {.region = f->region,
                             .schema_version = 1 + f->changes,
                             .request = {.gateway = seq ? 7 : 0, .slot = 1, .seq = seq},
                             .run = run_sql,
                             .ctx = (void *)(uintptr_t)sql};
    struct error *e = NULL;
    for (int i = 0; i < 500; i++) { /* a region just made needs a moment to serve */
        e = region_write(f->regions, &w);
        if (!error_is(e, E_NOT_PRIMARY))
            break;
        error_free(e);
        e = NULL;
        sleep_ms(10);
    }
    if (!e)
        assert_memory_equal(w.result.data, "done", 4);
    buf_done(&w.result);
    return e;
}

static int64_t read_number(struct fixture *f, const char *sql)
{
    struct region_read read;
    struct error *e = NULL;
    for (int i = 0; i < 500; i++) {
        e = region_read_begin(f->regions, f->region, 1 + f->changes, &read);
        if (!error_is(e, E_NOT_PRIMARY))
            break;
        error_free(e);
        sleep_ms(10);
    }
    ok(e);
    sqlite3_stmt *stmt;
    ok(store_prepare(read.conn, sql, strlen(sql), &stmt));
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(stmt, 0);
    store_release(read.conn, stmt);
    ok(region_read_check(&read, NULL));
    region_read_end(&read);
    return n;
}

/* ---- tests
 * ---------------------------------------------------------------------------------------- */

/* A table in the catalog appears in the region's file; what is written is read. */
static void test_write_read(void **state)
{
    struct fixture *f = *state;
    ok(write_sql(f, 0, "INSERT INTO t VALUES (1, 'x')"));
    ok(write_sql(f, 0, "UPDATE t SET b = 'y' WHERE a = 1"));
    assert_int_equal(read_number(f, "SELECT count(*) FROM t WHERE b = 'y'"), 1);
}

/* A statement that fails leaves nothing behind, and those beside it are unharmed. */
static void test_failing_statement(void **state)
{
    struct fixture *f = *state;
    ok(write_sql(f, 0, "INSERT INTO t VALUES (1, 'x')"));
    fails(write_sql(f, 0, "INSERT INTO t VALUES (2, 'y'), (1, 'z')"), E_UNIQUE);
    ok(write_sql(f, 0, "INSERT INTO t VALUES (3, 'w')"));
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 2);
}

/* The same request twice is one write with one answer; a later one is another. */
static void test_retry(void **state)
{
    struct fixture *f = *state;
    ok(write_sql(f, 1, "INSERT INTO t (b) VALUES ('x')"));
    ok(write_sql(f, 1, "INSERT INTO t (b) VALUES ('x')"));
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 1);
    ok(write_sql(f, 2, "INSERT INTO t (b) VALUES ('x')"));
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 2);
}

static struct error *request(struct fixture *f, uint64_t gateway, uint32_t slot, uint64_t seq)
{
    struct region_write w = {.region = f->region,
                             .schema_version = 1 + f->changes,
                             .request = {.gateway = gateway, .slot = slot, .seq = seq},
                             .run = run_sql,
                             .ctx = (void *)(uintptr_t) "INSERT INTO t (b) VALUES ('y')"};
    struct error *e = region_write(f->regions, &w);
    buf_done(&w.result);
    return e;
}

extern unsigned region__old_rounds;
extern size_t region__many_requests;

/* Requests are kept while somebody may ask for them, and then no more than one row of each gateway.
 * A retry within that time is answered; one that comes later is refused, not applied; what is new
 * is applied. */
static void test_requests_are_folded(void **state)
{
    enum { GATEWAYS = 5, SLOTS = 40 };
    struct fixture *f = *state;
    unsigned rounds = region__old_rounds;
    size_t many = region__many_requests;
    ok(write_sql(f, 1, "INSERT INTO t (b) VALUES ('x')"));
    for (uint64_t g = 100; g < 100 + GATEWAYS; g++)
        for (uint32_t slot = 0; slot < SLOTS; slot++)
            ok(request(f, g, slot, 1000 + slot));
    int64_t rows = read_number(f, "SELECT count(*) FROM t");
    assert_int_equal(read_number(f, "SELECT count(*) FROM minisql_requests"), GATEWAYS * SLOTS + 1);
    ok(request(f, 100, 7, 1007));
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), rows);
    region__many_requests = 2;
    region__old_rounds = 1;
    int64_t left = 0;
    for (int i = 0; i < 1000; i++) {
        left = read_number(f, "SELECT count(*) FROM minisql_requests");
        if (left <= GATEWAYS + 1)
            break;
        sleep_ms(20);
    }
    assert_in_range(left, 1, GATEWAYS + 1);
    region__old_rounds = rounds;
    region__many_requests = many;
    fails(request(f, 100, 7, 1007), E_PROTOCOL);
    fails(request(f, 100, SLOTS + 1, 900), E_PROTOCOL);
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), rows);
    ok(request(f, 100, 7, 2000));
    ok(request(f, 100, 7, 2000));
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), rows + 1);
    ok(request(f, 99, 7, 1));
    stop(f);
    start(f);
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), rows + 2);
    fails(request(f, 101, 7, 1007), E_PROTOCOL);
}

/* What was acknowledged is there after a restart, and a retry is still recognised. */
static void test_restart(void **state)
{
    struct fixture *f = *state;
    for (uint64_t i = 1; i <= 50; i++)
        ok(write_sql(f, i, "INSERT INTO t (b) VALUES ('x')"));
    stop(f);
    start(f);
    ok(write_sql(f, 50, "INSERT INTO t (b) VALUES ('x')"));
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 50);
}

/* A crash between a snapshot's file and the cut of the log that it replaces leaves a log that ends
 * before the file: writing goes on behind the file. */
static void test_log_behind_file(void **state)
{
    struct fixture *f = *state;
    for (uint64_t i = 1; i <= 5; i++)
        ok(write_sql(f, i, "INSERT INTO t (b) VALUES ('x')"));
    stop(f);
    _cleanup_(mem_freep) char *dir = mem_printf("%s/log", f->dir);
    struct wal *w;
    uint64_t position;
    ok(wal_open(dir, NULL, NULL, NULL, &w, NULL, NULL));
    ok(wal_truncate(w, f->region, 0, &position));
    struct wal_entry e = {.region = f->region, .lsn = 1, .epoch = 1, .data = "x", .len = 1};
    ok(wal_append(w, &e, 1, &position));
    wal_close(w);
    start(f);
    ok(write_sql(f, 6, "INSERT INTO t (b) VALUES ('x')"));
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 6);
    stop(f);
    start(f);
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 6);
}

static void *write_many(void *arg)
{
    for (int i = 0; i < 100; i++)
        ok(write_sql(arg, 0, "INSERT INTO t (b) VALUES ('x')"));
    return NULL;
}

/* Concurrent writers share batches; none is lost or doubled. */
static void test_concurrent(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[8];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, f), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 800);
}

static _Atomic int taken;

static void *write_same(void *arg)
{
    for (int i = 0; i < 100; i++) {
        char sql[64];
        snprintf(sql, sizeof(sql), "INSERT INTO t VALUES (%d, 'x')", i + 1);
        struct error *e = write_sql(arg, 0, sql);
        if (!e)
            taken++;
        else
            assert_string_equal(e->sqlstate, E_UNIQUE);
        error_free(e);
    }
    return NULL;
}

/* Whoever leads the batch, a writer hears of its own failure: of those who insert the same key one
 * succeeds. */
static void test_concurrent_failures(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[8];
    taken = 0;
    ok(write_sql(f, 0, "INSERT INTO t VALUES (1000, 'x')")); /* it serves */
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_same, f), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(taken, 100);
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 101);
}

static struct region_txn *begin(struct fixture *f)
{
    struct region_txn *t = NULL;
    ok(write_sql(f, 0, "INSERT INTO t VALUES (1000000, 'before')"));
    ok(region_txn_begin(f->regions, f->region, 1, NULL, NULL, &t));
    ok(region_txn_enter(t));
    return t;
}

static void insert_rows(struct region_txn *t, int from, int n)
{
    struct store_conn *c = store_writer(region_txn_store(t));
    static const char sql[] = "INSERT INTO t VALUES (?1, hex(zeroblob(2000)))";
    for (int i = from; i < from + n; i++) {
        sqlite3_stmt *stmt;
        ok(store_prepare(c, sql, sizeof(sql) - 1, &stmt));
        sqlite3_bind_int(stmt, 1, i);
        assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
        store_release(c, stmt);
        ok(region_txn_progress(t));
    }
}

/* A transaction is seen by others when it has committed, not before; rolled back, never. */
static void test_transaction(void **state)
{
    struct fixture *f = *state;
    struct region_txn *t = begin(f);
    insert_rows(t, 1, 10);
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 1);
    region_txn_leave(t);
    ok(region_txn_commit(t, NULL));
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 11);
    ok(region_txn_begin(f->regions, f->region, 1, NULL, NULL, &t));
    ok(region_txn_enter(t));
    insert_rows(t, 100, 10);
    region_txn_leave(t);
    region_txn_rollback(t);
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 11);
}

/* A large transaction is logged in parts; they count only if it commits, also after a restart that
 * finds nothing but the log. */
static void test_parts(void **state)
{
    struct fixture *f = *state;
    struct region_txn *t = begin(f);
    insert_rows(t, 1, 1000); /* 4 MB */
    region_txn_leave(t);
    region_txn_rollback(t);
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 1);
    ok(region_txn_begin(f->regions, f->region, 1, NULL, NULL, &t));
    ok(region_txn_enter(t));
    insert_rows(t, 1, 1000);
    region_txn_leave(t);
    struct store_request request = {.gateway = 9, .slot = 1, .seq = 1};
    ok(region_txn_commit(t, &request));
    bool applied = false;
    ok(region_request_applied(f->regions, f->region, &request, &applied));
    assert_true(applied);
    stop(f);
    start(f);
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 1001);
}

static const struct region_owner owner = {.request = {.gateway = 9, .slot = 1, .seq = 5},
                                          .server = "s1"};

static struct region_txn *begin_owned(struct fixture *f)
{
    struct region_txn *t = NULL;
    struct error *e;
    while ((e = region_txn_begin(f->regions, f->region, 1, &owner, NULL, &t)))
        fails(e, E_NOT_PRIMARY); /* after a start: not yet */
    return t;
}

static bool is_in_doubt(struct fixture *f)
{
    struct region_doubt d;
    struct error *e;
    while ((e = region_in_doubt(f->regions, f->region, &d)))
        fails(e, E_NOT_PRIMARY);
    assert_true(d.region == 0 || (d.decider == 77 && d.request.seq == owner.request.seq));
    return d.region != 0;
}

static void fails_to_read(struct fixture *f)
{
    struct region_read read;
    fails(region_read_begin(f->regions, f->region, 1, &read), E_NOT_PRIMARY);
}

/* What is prepared waits for its decision, also over restarts, and nobody reads or writes
 * meanwhile; then it has happened, or not. A second word about it is none. */
static void test_prepared(void **state)
{
    struct fixture *f = *state;
    ok(write_sql(f, 0, "INSERT INTO t VALUES (1000000, 'before')"));
    for (int commit = 0; commit < 2; commit++) {
        struct region_txn *t = begin_owned(f);
        bool prepared = false;
        insert_rows(t, 1, commit ? 1000 : 10); /* 4 MB go in parts, and fragments */
        ok(region_txn_prepare(t, 77, &prepared));
        assert_true(prepared);
        assert_true(is_in_doubt(f));
        fails_to_read(f);
        stop(f);
        start(f);
        assert_true(is_in_doubt(f));
        fails_to_read(f);
        const struct store_request other = {.gateway = 9, .slot = 1, .seq = 6};
        ok(region_decide(f->regions, f->region, &other, true));
        assert_true(is_in_doubt(f));
        ok(region_decide(f->regions, f->region, &owner.request, commit));
        assert_false(is_in_doubt(f));
        ok(region_decide(f->regions, f->region, &owner.request, !commit));
        for (int restarts = 0; restarts < 2; restarts++) {
            assert_int_equal(read_number(f, "SELECT count(*) FROM t"), commit ? 1001 : 1);
            stop(f);
            start(f);
        }
    }
    ok(write_sql(f, 7, "DELETE FROM t"));
}

/* Who has changed nothing need not wait for anybody. */
static void test_nothing_to_prepare(void **state)
{
    struct fixture *f = *state;
    ok(write_sql(f, 0, "INSERT INTO t VALUES (1, 'before')"));
    bool prepared = true;
    ok(region_txn_prepare(begin_owned(f), 77, &prepared));
    assert_false(prepared);
    assert_false(is_in_doubt(f));
    ok(write_sql(f, 1, "DELETE FROM t"));
}

static enum region_outcome outcome(struct fixture *f, bool end)
{
    enum region_outcome o;
    struct error *e;
    while ((e = region_outcome(f->regions, f->region, &owner.request, end, &o)))
        fails(e, E_NOT_PRIMARY);
    return o;
}

static size_t decisions(struct fixture *f, struct arena *a, struct store_decision **ret)
{
    size_t n;
    struct error *e;
    while ((e = region_get_decisions(f->regions, f->region, 10, a, ret, &n)))
        fails(e, E_NOT_PRIMARY);
    return n;
}

/* The region that decides says so for as long as somebody has not heard of it. What is not decided
 * and not under way, never is. */
static void test_decision(void **state)
{
    struct fixture *f = *state;
    _cleanup_(arena_done) struct arena a = {0};
    struct store_decision *d;
    const uint64_t participants[] = {77, 78};
    ok(write_sql(f, 0, "INSERT INTO t VALUES (1000000, 'before')"));
    assert_int_equal(outcome(f, false), OUTCOME_NONE);
    struct region_txn *t = begin_owned(f);
    insert_rows(t, 1, 10);
    assert_int_equal(outcome(f, true), OUTCOME_OPEN); /* it does not idle */
    region_txn_leave(t);
    assert_int_equal(outcome(f, false), OUTCOME_OPEN);
    assert_int_equal(outcome(f, true), OUTCOME_NONE);
    fails(region_txn_enter(t), E_NOT_PRIMARY);
    fails(region_txn_decide(t, &owner.request, participants, 2), E_NOT_PRIMARY);
    assert_int_equal(outcome(f, false), OUTCOME_NONE);
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 1);

    t = begin_owned(f);
    insert_rows(t, 1, 10);
    ok(region_txn_decide(t, &owner.request, participants, 2));
    assert_int_equal(outcome(f, true), OUTCOME_COMMITTED);
    assert_int_equal(decisions(f, &a, &d), 1);
    stop(f);
    start(f);
    assert_int_equal(outcome(f, false), OUTCOME_COMMITTED);
    uint64_t region = 0;
    assert_int_equal(regions_deciding(f->regions, &region, 1), 1); /* after a restart, too */
    assert_int_equal(region, f->region);
    assert_int_equal(decisions(f, &a, &d), 1);
    assert_int_equal(d->seq, owner.request.seq);
    assert_int_equal(d->n_participants, 2);
    assert_int_equal(d->participants[1], 78);
    ok(region_forget_decisions(f->regions, f->region, d, 1));
    assert_int_equal(decisions(f, &a, &d), 0);
    assert_int_equal(regions_deciding(f->regions, &region, 1), 0);
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 11);
}

/* A statement whose changes are larger than a log entry may be. */
static void test_large_statement(void **state)
{
    struct fixture *f = *state;
    ok(write_sql(f, 1,
                 "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                 " WHERE i < 3000) SELECT i, hex(zeroblob(1500)) FROM n"));
    stop(f);
    start(f);
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 3000);
}

/* DDL that can't be done fails as a whole and leaves the region as it was. */
static void test_ddl(void **state)
{
    struct fixture *f = *state;
    ok(write_sql(f, 0, "INSERT INTO t VALUES (1, 'x'), (2, 'x')"));
    fails(region_ddl(f->regions, f->region, 0, "CREATE UNIQUE INDEX i ON t (b)"), E_UNIQUE);
    ok(region_ddl(f->regions, f->region, 0, "CREATE INDEX i ON t (b)"));
    ok(write_sql(f, 0, "INSERT INTO t VALUES (3, 'y')"));
    assert_int_equal(
        read_number(f, "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = 'i'"),
        1);
}

/* The table's record gets another text, and an index. */
static void change_text(struct fixture *f, const char *text)
{
    _cleanup_(arena_done) struct arena a = {0};
    const struct catalog_view *v = catalog_view(f->catalog);
    const struct table *old = catalog_table_by_id(v, f->region + 1000);
    struct table *next = table_copy(old, &a);
    next->ddl = (char *)(uintptr_t)text;
    int column = 1;
    bool down = false;
    struct index i = {.name = (char *)"t_b",
                      .n_columns = 1,
                      .columns = &column,
                      .descending = &down,
                      .ddl = (char *)"CREATE INDEX \"t_b\" ON \"t\" (\"b\")"};
    next->indexes = &i;
    next->n_indexes = 1;
    ok(catalog_replace_table(f->catalog, old, next));
    catalog_unref(v);
    f->changes++;
    assert_int_equal(read_number(f, "SELECT count(*) FROM sqlite_schema WHERE name = 't_b'"), 1);
}

/* A table's file gets the text that the catalog has: in place where its rows can stay, else by
 * copying them. Nothing cascades meanwhile, and readers' statements see it. */
static void test_shape(void **state)
{
    struct fixture *f = *state;
    ok(write_sql(f, 0, "INSERT INTO t VALUES (7, 'x'), (9, 'y')"));
    ok(region_ddl(f->regions, f->region, 1,
                  "CREATE TABLE child (a INTEGER REFERENCES t (a) ON DELETE CASCADE) STRICT"));
    ok(write_sql(f, 0, "INSERT INTO child VALUES (7)"));
    const int64_t pages = read_number(f, "SELECT rootpage FROM sqlite_schema WHERE name = 't'");
    assert_int_equal(read_number(f, "SELECT count(*) FROM t WHERE b IS NOT NULL"), 2);

    change_text(f,
                "CREATE TABLE \"t\" (\"a\" INTEGER PRIMARY KEY, \"b\" TEXT, \"c\" INTEGER NOT NULL"
                " DEFAULT 5, CHECK (\"b\" <> 'z')) STRICT");
    assert_int_equal(read_number(f, "SELECT rootpage FROM sqlite_schema WHERE name = 't'"), pages);
    assert_int_equal(read_number(f, "SELECT sum(c) FROM t"), 10);
    fails(write_sql(f, 0, "INSERT INTO t VALUES (1, 'z', 1)"), E_CHECK);
    fails(write_sql(f, 0, "INSERT INTO t VALUES (1, 'x', NULL)"), E_NOT_NULL);
    fails(write_sql(f, 0, "DELETE FROM sqlite_schema"), E_INTERNAL);

    change_text(
        f, "CREATE TABLE \"t\" (\"a\" INTEGER, \"c\" INTEGER, \"b\" TEXT, UNIQUE (\"a\")) STRICT");
    assert_int_equal(read_number(f, "SELECT sum(a) FROM t WHERE rowid = a AND c = 5 AND b > ''"),
                     16);
    ok(write_sql(f, 0, "INSERT INTO t VALUES (NULL, 1, 'z')"));
    fails(write_sql(f, 0, "INSERT INTO t VALUES (7, 1, 'z')"), E_UNIQUE);
    assert_int_equal(read_number(f, "SELECT count(*) FROM child"), 1);
    ok(write_sql(f, 0, "DELETE FROM t WHERE a = 7"));
    assert_int_equal(read_number(f, "SELECT count(*) FROM child"), 0);

    stop(f);
    start(f);
    assert_int_equal(read_number(f, "SELECT count(*) FROM t"), 2);
    assert_int_equal(read_number(f, "SELECT count(*) FROM pragma_integrity_check"
                                    " WHERE integrity_check <> 'ok'"),
                     0);
}

/* A caller that plans on an old schema is told so. */
static void test_stale_schema(void **state)
{
    struct fixture *f = *state;
    ok(write_sql(f, 0, "INSERT INTO t VALUES (1, 'x')"));
    struct region_read read;
    fails(region_read_begin(f->regions, f->region, 0, &read), E_STALE_SCHEMA);
    struct region_write w = {.region = f->region, .run = run_sql, .ctx = (char *)"SELECT 1"};
    fails(region_write(f->regions, &w), E_STALE_SCHEMA);
    buf_done(&w.result);
}

/* Acknowledged writes survive SIGKILL at any moment. */
static void test_kill(void **state)
{
    struct fixture *f = *state;
    stop(f);
    for (int round = 0; round < 5; round++) {
        int pipe_fds[2];
        assert_int_equal(pipe(pipe_fds), 0);
        pid_t child = fork();
        if (child == 0) {
            close(pipe_fds[0]);
            start(f);
            for (char c = 'x';;) {
                ok(write_sql(f, 0, "INSERT INTO t (b) VALUES ('x')"));
                if (write(pipe_fds[1], &c, 1) != 1)
                    _exit(1);
            }
        }
        close(pipe_fds[1]);
        static int acknowledged;
        char c;
        for (int i = 0; i < 100 + round * 37 && read(pipe_fds[0], &c, 1) == 1; i++)
            acknowledged++;
        kill(child, SIGKILL);
        while (read(pipe_fds[0], &c, 1) == 1)
            acknowledged++;
        waitpid(child, NULL, 0);
        close(pipe_fds[0]);
        start(f);
        int64_t found = read_number(f, "SELECT count(*) FROM t");
        assert_in_range((uint64_t)found, (uint64_t)acknowledged, (uint64_t)acknowledged + 1);
        acknowledged = (int)found; /* the last one may have made it unacknowledged */
        if (round < 4)
            stop(f);
    }
}

/* What the region's record says in the end: learners, and who leaves. */
static void await_record(struct fixture *f, int learners, const char *leaving)
{
    bool so = false;
    for (int i = 0; i < 500 && !so; i++) {
        const struct catalog_view *v = catalog_view(f->catalog);
        const struct region *r = catalog_region(v, f->region);
        so = r->n_learners == learners &&
             (leaving ? r->leaving && !strcmp(r->leaving, leaving) : !r->leaving);
        catalog_unref(v);
        sleep_ms(10);
    }
    assert_true(so);
}

static void await_change(struct fixture *f, enum repl_change what, const char *server)
{
    struct error *e;
    while (error_is(e = region_change(f->regions, f->region, what, server), "55006")) {
        error_free(e);
        sleep_ms(10);
    }
    ok(e);
}

/* A move is in the region's record together with its learner, whatever changed before it, and is
 * gone together with it. */
static void test_move(void **state)
{
    struct fixture *f = *state;
    ok(write_sql(f, 0, "INSERT INTO t VALUES (1, 'a')"));
    await_change(f, REPL_ADD_LEARNER, "s2");
    await_record(f, 1, NULL);
    await_change(f, REPL_REMOVE, "s2");
    await_record(f, 0, NULL);
    ok(region_move(f->regions, f->region, "s1", "s3"));
    await_record(f, 1, "s1");
    await_change(f, REPL_REMOVE, "s3");
    await_record(f, 0, NULL);
}

/* ---- many regions ------------------------------------------------------------------------------
 */

enum { MANY = 40, VISITS = 100, FEW_FILES = 256 };

/* Descriptors of this process on the region files in the server's directory. */
static int open_region_files(const struct fixture *f)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(d));) {
        char link[64], target[256] = {0};
        snprintf(link, sizeof(link), "/proc/self/fd/%.20s", entry->d_name);
        n += readlink(link, target, sizeof(target) - 1) > 0 && strstr(target, "/region-") &&
             strncmp(target, f->dir, strlen(f->dir)) == 0;
    }
    closedir(d);
    return n;
}

struct visitor {
    struct fixture f;
    const uint64_t *regions;
    unsigned seed;
    int writes[MANY];
};

/* Writes to and reads from regions at random; what it wrote is there. */
static void *visit(void *arg)
{
    struct visitor *v = arg;
    struct rng r;
    rng_seed(&r, v->seed);
    for (int i = 0; i < VISITS; i++) {
        int k = (int)rng_below(&r, MANY);
        char sql[80];
        v->f.region = v->regions[k];
        if (i % 2) {
            snprintf(sql, sizeof(sql), "INSERT INTO t%d (b) VALUES ('%u')", k, v->seed);
            ok(write_sql(&v->f, 0, sql));
            v->writes[k]++;
        } else {
            snprintf(sql, sizeof(sql), "SELECT count(*) FROM t%d WHERE b = '%u'", k, v->seed);
            assert_int_equal(read_number(&v->f, sql), v->writes[k]);
        }
    }
    return NULL;
}

/* With more regions in use than files may be open: each is there when it is wanted, the open files
 * stay few, nothing is lost over a restart, and what is dropped while it is used goes. */
static void test_many(void **state)
{
    struct fixture *f = *state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit low = {.rlim_cur = FEW_FILES, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    stop(f);
    start(f);
    uint64_t regions[MANY];
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof(name), "t%d", i);
        create_named(f, name);
        regions[i] = f->region;
    }
    struct visitor visitors[4] = {0};
    pthread_t threads[ARRAY_LEN(visitors)];
    for (unsigned i = 0; i < ARRAY_LEN(visitors); i++) {
        visitors[i] = (struct visitor){.f = *f, .regions = regions, .seed = i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, visit, &visitors[i]), 0);
    }
    for (unsigned i = 0; i < ARRAY_LEN(visitors); i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 1000 && open_region_files(f) > FEW_FILES / 2; i++)
        sleep_ms(10);
    assert_in_range((uint64_t)open_region_files(f), 0, FEW_FILES / 2);
    stop(f);
    start(f);
    for (int k = 0; k < MANY; k++) {
        char sql[80];
        int written = 0;
        for (unsigned i = 0; i < ARRAY_LEN(visitors); i++)
            written += visitors[i].writes[k];
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM t%d", k);
        f->region = regions[k];
        assert_int_equal(read_number(f, sql), written);
        uint64_t table = regions[k] + 1000;
        ok(catalog_drop_tables(f->catalog, &table, 1));
    }
    for (int k = 0; k < MANY; k++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/region-%llu.db", f->dir, (unsigned long long)regions[k]);
        for (int i = 0; i < 1000 && access(path, F_OK) == 0; i++)
            sleep_ms(10);
        assert_int_equal(access(path, F_OK), -1);
    }
    for (int i = 0; i < 1000 && open_region_files(f) > 8; i++)
        sleep_ms(10);
    assert_in_range((uint64_t)open_region_files(f), 0, 8); /* of t */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* ---- the log's length --------------------------------------------------------------------------
 */

extern uint64_t region__log_bytes;

static uint64_t log_bytes(const struct fixture *f)
{
    uint64_t bytes = 0;
    char path[128];
    snprintf(path, sizeof(path), "%s/log", f->dir);
    DIR *d = opendir(path);
    for (struct dirent *entry; (entry = readdir(d));) {
        struct stat st;
        if (fstatat(dirfd(d), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_size;
    }
    closedir(d);
    return bytes;
}

/* However much is written: the log stays about as long as it may, and neither a region that nobody
 * writes to any more holds it back, nor one that was dropped. */
static void test_log_is_bounded(void **state)
{
    enum { MB = 1024 * 1024, LIMIT = 32 * MB, SPARE = 4 * 16 * MB, WRITES = 160 };
    struct fixture *f = *state, idle = *f, dropped = *f;
    uint64_t before = region__log_bytes;
    region__log_bytes = LIMIT;
    create_named(&idle, "idle");
    create_named(&dropped, "dropped");
    ok(write_sql(&idle, 0, "INSERT INTO idle VALUES (1, 'x')"));
    ok(write_sql(&dropped, 0, "INSERT INTO dropped VALUES (1, 'x')"));
    uint64_t table = dropped.region + 1000;
    ok(catalog_drop_tables(f->catalog, &table, 1));
    for (int i = 0; i < WRITES; i++)
        ok(write_sql(f, 0, "INSERT OR REPLACE INTO t VALUES (1, hex(zeroblob(524288)))"));
    for (int i = 0; i < 2000 && log_bytes(f) > LIMIT + SPARE; i++)
        sleep_ms(10);
    assert_in_range(log_bytes(f), 1, LIMIT + SPARE);
    stop(f);
    start(f);
    assert_in_range(log_bytes(f), 1, LIMIT + SPARE);
    idle.regions = f->regions;
    idle.catalog = f->catalog;
    assert_int_equal(read_number(&idle, "SELECT count(*) FROM idle"), 1);
    assert_int_equal(read_number(f, "SELECT length(b) FROM t"), MB);
    region__log_bytes = before;
}

/* What a snapshot left that was never completed, and a file that was replaced, are deleted by a
 * copy that is whole. */
static void test_leftovers(void **state)
{
    struct fixture *f = *state;
    static const char *const suffixes[] = {"incoming", "db.damaged", "db-wal.damaged"};
    ok(write_sql(f, 0, "INSERT INTO t VALUES (1, 'a')"));
    stop(f);
    char path[3][128];
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(path[i], sizeof(path[i]), "%s/region-%llu.%s", f->dir,
                 (unsigned long long)f->region, suffixes[i]);
        int fd = open(path[i], O_CREAT | O_WRONLY, 0600);
        assert_true(fd >= 0);
        close(fd);
    }
    start(f);
    ok(write_sql(f, 0, "INSERT INTO t VALUES (2, 'b')"));
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        for (int k = 0; k < 500 && access(path[i], F_OK) == 0; k++)
            sleep_ms(10);
        assert_int_equal(access(path[i], F_OK), -1);
    }
}

int main(void)
{
    log_threshold = LOG_ERROR;
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_write_read),
        CASE(test_failing_statement),
        CASE(test_retry),
        CASE(test_requests_are_folded),
        CASE(test_restart),
        CASE(test_concurrent),
        CASE(test_concurrent_failures),
        CASE(test_transaction),
        CASE(test_parts),
        CASE(test_prepared),
        CASE(test_nothing_to_prepare),
        CASE(test_decision),
        CASE(test_large_statement),
        CASE(test_leftovers),
        CASE(test_ddl),
        CASE(test_shape),
        CASE(test_stale_schema),
        CASE(test_kill),
        CASE(test_move),
        CASE(test_many),
        CASE(test_log_behind_file),
        CASE(test_log_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
