/* A region's file: what is captured at one is applied at another, and the two stay equal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store_int.h"

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLUSTER = 77 };

static int setup(void **state)
{
    char *dir = mem_strdup("/tmp/test_store.XXXXXX");
    assert_non_null(mkdtemp(dir));
    *state = dir;
    return 0;
}

static int teardown(void **state)
{
    char *command = mem_printf("rm -rf %s", (char *)*state);
    int rc = system(command);
    mem_free(command);
    mem_free(*state);
    return rc;
}

static void ok(struct error *e)
{
    if (e)
        fail_msg("%s: %s (%s)", e->sqlstate, e->message, e->detail ? e->detail : "");
}

static void fails(struct error *e, const char *sqlstate)
{
    assert_non_null(e);
    if (strcmp(e->sqlstate, sqlstate) != 0)
        fail_msg("%s, not %s: %s", e->sqlstate, sqlstate, e->message);
    error_free(e);
}

static struct store *open_store(const char *dir, uint64_t region)
{
    struct store *s = NULL;
    ok(store_open(dir, CLUSTER, region, &s));
    ok(store_wake(s)); /* tests look at the writer without a transaction, too */
    return s;
}

static struct error *try_write(struct store *s, const char *sql)
{
    sqlite3_stmt *stmt;
    TRY(store_prepare(store_writer(s), sql, strlen(sql), &stmt));
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    }
    struct error *e = rc == SQLITE_DONE ? NULL : types_sqlite_error(store_db(store_writer(s)), rc);
    store_release(store_writer(s), stmt);
    return e;
}

static void do_write(struct store *s, const char *sql)
{
    struct error *e = try_write(s, sql);
    if (e)
        fail_msg("%s: %s: %s", sql, e->sqlstate, e->message);
}

static void ddl(struct store *s, const char *sql)
{
    ok(store_begin(s));
    ok(store_apply_ddl(s, sql, strlen(sql), store_meta(s)->schema_version + 1));
    ok(store_commit(s, store_meta(s)->applied_lsn + 1, 1));
}

/* Commits at `from`, and the same at `to`. */
static void replicate(struct store *from, struct store *to)
{
    const char *data;
    size_t len;
    uint64_t lsn = store_meta(from)->applied_lsn + 1;
    store_changes(from, &data, &len);
    ok(store_begin(to));
    ok(store_apply(to, data, len));
    ok(store_commit(to, lsn, 1));
    ok(store_commit(from, lsn, 1));
}

static void put_row(struct buf *out, sqlite3_stmt *stmt)
{
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        struct value v = value_from_column(stmt, i);
        store__put_value(out, &v);
    }
}

static void dump_table(struct store *s, const char *name, struct buf *out)
{
    struct store_table *t;
    ok(store__table(s, name, strlen(name), &t));
    char *sql = t->without_rowid
                    ? mem_printf("SELECT * FROM \"%s\" ORDER BY 1, 2", name)
                    : mem_printf("SELECT %s, * FROM \"%s\" ORDER BY 1", t->rowid_name, name);
    sqlite3_stmt *stmt;
    buf_puts(out, name);
    ok(store_prepare(store_writer(s), sql, strlen(sql), &stmt));
    while (sqlite3_step(stmt) == SQLITE_ROW)
        put_row(out, stmt);
    store_release(store_writer(s), stmt);
    mem_free(sql);
}

/* All tables of users, with rowids. */
static void dump(struct store *s, struct buf *out)
{
    sqlite3_stmt *stmt;
    const char *sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE "
                      "'minisql%' AND name NOT LIKE 'sqlite%' ORDER BY name";
    ok(store_prepare(store_writer(s), sql, strlen(sql), &stmt));
    while (sqlite3_step(stmt) == SQLITE_ROW)
        dump_table(s, (const char *)sqlite3_column_text(stmt, 0), out);
    store_release(store_writer(s), stmt);
}

static void dump_schema(struct store *s, struct buf *out)
{
    sqlite3_stmt *stmt;
    const char *sql = "SELECT name, sql FROM sqlite_schema ORDER BY name";
    ok(store_prepare(store_writer(s), sql, strlen(sql), &stmt));
    while (sqlite3_step(stmt) == SQLITE_ROW)
        put_row(out, stmt);
    store_release(store_writer(s), stmt);
}

static void same_content(struct store *a, struct store *b)
{
    struct buf x = {0}, y = {0};
    dump(a, &x);
    dump(b, &y);
    dump_schema(a, &x);
    dump_schema(b, &y);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    buf_done(&x);
    buf_done(&y);
}

static int64_t query_int(struct store_conn *c, const char *sql)
{
    sqlite3_stmt *stmt;
    ok(store_prepare(c, sql, strlen(sql), &stmt));
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t v = sqlite3_column_int64(stmt, 0);
    store_release(c, stmt);
    return v;
}

/* Counts the changes of each kind in a blob: "I2 U1 D0". */
static char *summary(const char *data, size_t len)
{
    struct store_decoder d;
    struct store_change c;
    bool found;
    int n[128] = {0};
    store__decoder_init(&d, data, len);
    for (;;) {
        ok(store__decode(&d, &c, &found));
        if (!found)
            break;
        n[(int)c.op]++;
    }
    store__decoder_done(&d);
    return mem_printf("I%d U%d D%d", n['I'], n['U'], n['D']);
}

static void captured(struct store *s, const char *expected)
{
    const char *data;
    size_t len;
    store_changes(s, &data, &len);
    char *is = summary(data, len);
    assert_string_equal(is, expected);
    mem_free(is);
}

/* ---- the file ------------------------------------------------------------------------------- */

/* What a commit says is in the file when it is opened again; what was not committed isn't. */
static void commits_are_kept(void **state)
{
    struct store *s = open_store(*state, 5);
    assert_int_equal(store_meta(s)->cluster, CLUSTER);
    assert_int_equal(store_meta(s)->region, 5);
    assert_int_equal(store_meta(s)->applied_lsn, 0);
    ok(store_begin(s));
    const char *sql = "CREATE TABLE t (a INTEGER) STRICT; CREATE INDEX i ON t (a);";
    ok(store_apply_ddl(s, sql, strlen(sql), 3));
    do_write(s, "INSERT INTO t VALUES (1)");
    ok(store_commit(s, 10, 2));
    ok(store_begin(s));
    do_write(s, "INSERT INTO t VALUES (2)");
    store_rollback(s);
    ok(store_begin(s));
    do_write(s, "INSERT INTO t VALUES (3)");
    store_close(s);
    s = open_store(*state, 5);
    assert_int_equal(store_meta(s)->applied_lsn, 10);
    assert_int_equal(store_meta(s)->applied_epoch, 2);
    assert_int_equal(store_meta(s)->schema_version, 3);
    assert_int_equal(query_int(store_writer(s), "SELECT sum(a) FROM t"), 1);
    store_close(s);
}

static void note_region(void *ctx, uint64_t region)
{
    *(uint64_t *)ctx += region;
}

/* Files are listed by their region, also while they are being replaced, and deleted whole. */
static void files_are_listed_and_deleted(void **state)
{
    store_close(open_store(*state, 5));
    struct store *s = open_store(*state, 6);
    uint64_t sum = 0;
    ok(store_list(*state, note_region, &sum));
    assert_int_equal(sum, 11);
    store_close(s);
    char *db = mem_printf("%s/region-6.db", (char *)*state);
    char *old = mem_printf("%s/region-6.db.old", (char *)*state);
    assert_int_equal(rename(db, old), 0);
    sum = 0;
    ok(store_list(*state, note_region, &sum));
    assert_int_equal(sum, 11);
    ok(store_delete(*state, 5));
    ok(store_delete(*state, 6));
    ok(store_delete(*state, 6));
    assert_int_equal(access(old, F_OK), -1);
    sum = 0;
    ok(store_list(*state, note_region, &sum));
    assert_int_equal(sum, 0);
    mem_free(db);
    mem_free(old);
}

/* A file that is no database, of another program, cluster, region or format is refused with advice.
 */
static void foreign_files_are_refused(void **state)
{
    struct store *s;
    char *path = mem_printf("%s/region-1.db", (char *)*state);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database ", f);
    fclose(f);
    struct error *e = store_open(*state, CLUSTER, 1, &s);
    assert_true(error_is(e, E_DAMAGED) && e->hint && strstr(e->message, path));
    error_free(e);

    unlink(path);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "CREATE TABLE theirs (a)", NULL, NULL, NULL);
    sqlite3_close(db);
    fails(store_open(*state, CLUSTER, 1, &s), E_DAMAGED);

    unlink(path);
    store_close(open_store(*state, 1));
    fails(store_open(*state, CLUSTER + 1, 1, &s), "55000");
    char *other = mem_printf("%s/region-2.db", (char *)*state);
    assert_int_equal(rename(path, other), 0);
    fails(store_open(*state, CLUSTER, 2, &s), "55000");
    assert_int_equal(rename(other, path), 0);

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "UPDATE minisql_meta SET format = 9", NULL, NULL, NULL);
    sqlite3_close(db);
    e = store_open(*state, CLUSTER, 1, &s);
    assert_true(error_is(e, E_UNSUPPORTED) && e->hint);
    error_free(e);
    fails(store_open("/proc/none", CLUSTER, 1, &s), E_IO);
    mem_free(path);
    mem_free(other);
}

/* ---- statements ----------------------------------------------------------------------------- */

/* A statement in use is not given out twice; a released one is, without its bindings. */
static void statements_are_cached(void **state)
{
    struct store *s = open_store(*state, 1);
    struct store_conn *c = store_writer(s);
    sqlite3_stmt *a, *b, *again;
    ok(store_prepare(c, "SELECT ?1", 9, &a));
    sqlite3_bind_int(a, 1, 42);
    assert_int_equal(sqlite3_step(a), SQLITE_ROW);
    ok(store_prepare(c, "SELECT ?1", 9, &b));
    assert_ptr_not_equal(a, b);
    store_release(c, b);
    store_release(c, a);
    ok(store_prepare(c, "SELECT ?1", 9, &again));
    assert_ptr_equal(a, again);
    assert_int_equal(sqlite3_step(again), SQLITE_ROW);
    assert_int_equal(sqlite3_column_type(again, 0), SQLITE_NULL);
    store_release(c, again);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 300; i++) {
            char *sql = mem_printf("SELECT %d", i);
            assert_int_equal(query_int(c, sql), i);
            mem_free(sql);
        }
    assert_true(c->n_idle <= STORE_CACHED);
    assert_int_equal(c->cached.len, c->n_idle);
    fails(store_prepare(c, "SELEC", 5, &a), E_INTERNAL);
    fails(store_prepare(c, "  ", 2, &a), E_SYNTAX);
    store_close(s);
}

/* A reader's transaction sees one commit; another reader sees the newest; readers can't write. */
static void readers_see_commits(void **state)
{
    struct store *s = open_store(*state, 1);
    ddl(s, "CREATE TABLE t (a INTEGER) STRICT");
    struct store_conn *one, *two;
    ok(store_get_reader(s, &one));
    ok(store_get_reader(s, &two));
    ok(store_reader_begin(one));
    ok(store_begin(s));
    do_write(s, "INSERT INTO t VALUES (1)");
    assert_int_equal(query_int(two, "SELECT count(*) FROM t"), 0);
    ok(store_commit(s, 2, 1));
    assert_int_equal(query_int(one, "SELECT count(*) FROM t"), 0);
    assert_int_equal(query_int(two, "SELECT count(*) FROM t"), 1);
    struct error *e = store_exec(two, "DELETE FROM t");
    assert_non_null(e);
    error_free(e);
    store_put_reader(s, one);
    store_put_reader(s, two);
    ok(store_get_reader(s, &one));
    assert_int_equal(query_int(one, "SELECT count(*) FROM t"), 1);
    store_put_reader(s, one);
    store_close(s);
}

static void *give_back(void *arg)
{
    struct store_conn *c = arg;
    sleep_ms(50);
    store_put_reader(c->store, c);
    return NULL;
}

/* The seventeenth reader waits until one is put back. */
static void readers_are_limited(void **state)
{
    struct store *s = open_store(*state, 1);
    struct store_conn *all[STORE_READERS], *next;
    for (int i = 0; i < STORE_READERS; i++)
        ok(store_get_reader(s, &all[i]));
    pthread_t thread;
    pthread_create(&thread, NULL, give_back, all[3]);
    uint64_t before = clock_ms();
    ok(store_get_reader(s, &next));
    assert_ptr_equal(next, all[3]);
    assert_true(clock_ms() - before >= 30);
    pthread_join(thread, NULL);
    for (int i = 0; i < STORE_READERS; i++)
        store_put_reader(s, all[i]);
    store_close(s);
}

/* ---- capture and apply ---------------------------------------------------------------------- */

static const char tables_sql[] =
    "CREATE TABLE ipk (id INTEGER PRIMARY KEY, a TEXT, b REAL, c BLOB) STRICT;"
    "CREATE TABLE plain (a INTEGER, \"select\" TEXT UNIQUE) STRICT;"
    "CREATE TABLE rowid_taken (rowid TEXT, oid TEXT) STRICT;"
    "CREATE TABLE pair (x INTEGER, y TEXT, z INTEGER, PRIMARY KEY (y, x)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE textkey (k TEXT PRIMARY KEY, n INTEGER CHECK (n < 1000)) STRICT;"
    "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES ipk (id) ON DELETE "
    "CASCADE"
    " ON UPDATE CASCADE, k TEXT REFERENCES textkey (k) ON DELETE SET NULL) STRICT;"
    "CREATE TABLE gen (a INTEGER PRIMARY KEY, b INTEGER AS (a * 2) STORED, c TEXT) STRICT;"
    "CREATE INDEX child_parent ON child (parent);";

struct pair {
    struct store *from, *to;
};

static struct pair open_pair(const char *dir)
{
    struct pair p = {open_store(dir, 1), NULL};
    char *other = mem_printf("%s/backup", dir);
    mkdir(other, 0700);
    p.to = open_store(other, 1);
    mem_free(other);
    ddl(p.from, tables_sql);
    ddl(p.to, tables_sql);
    return p;
}

static void close_pair(struct pair *p)
{
    store_close(p->from);
    store_close(p->to);
}

static char *random_statement(struct rng *r)
{
    int a = (int)rng_below(r, 30), b = (int)rng_below(r, 30), n = (int)rng_below(r, 1100);
    switch (rng_below(r, 22)) {
    case 0:
        return mem_printf("INSERT INTO ipk VALUES (%d, 'a%d', %d.5, x'00ff%02x')", a, b, b, b);
    case 1:
        return mem_printf("INSERT OR REPLACE INTO ipk VALUES (%d, NULL, %d, NULL)", a, b);
    case 2:
        return mem_printf("UPDATE ipk SET id = %d WHERE id = %d", a, b);
    case 3:
        return mem_printf("UPDATE ipk SET b = b + 1, a = a || 'x' WHERE id %% 7 = %d", a % 7);
    case 4:
        return mem_printf("DELETE FROM ipk WHERE id = %d", a);
    case 5:
        return mem_printf("INSERT INTO plain VALUES (%d, 's%d')", a, b);
    case 6:
        return mem_printf("INSERT OR REPLACE INTO plain VALUES (%d, 's%d'), (1, 's%d')", a, b, a);
    case 7:
        return mem_printf("UPDATE OR REPLACE plain SET \"select\" = 's%d' WHERE a = %d", b, a);
    case 8:
        return mem_printf("DELETE FROM plain WHERE a = %d", a);
    case 9:
        return mem_printf("INSERT INTO plain VALUES (%d, 's%d') ON CONFLICT (\"select\") DO UPDATE "
                          "SET a = a + 100",
                          a, b);
    case 10:
        return mem_printf("INSERT INTO pair VALUES (%d, 'y%d', %d)", a % 5, b % 5, n);
    case 11:
        return mem_printf("UPDATE pair SET x = %d WHERE y = 'y%d'", a % 5, b % 5);
    case 12:
        return mem_printf("INSERT OR REPLACE INTO pair VALUES (%d, 'y%d', NULL)", a % 5, b % 5);
    case 13:
        return mem_printf("DELETE FROM pair WHERE x = %d", a % 5);
    case 14:
        return mem_printf("INSERT INTO textkey VALUES ('k%d', %d) ON CONFLICT DO NOTHING", a, n);
    case 15:
        return mem_printf("UPDATE textkey SET n = n + %d", n);
    case 16:
        return mem_printf("DELETE FROM textkey WHERE k = 'k%d'", a);
    case 17:
        return mem_printf("INSERT INTO child (parent, k) VALUES (%d, 'k%d')", a, b);
    case 18:
        return mem_printf("INSERT INTO rowid_taken SELECT 'r%d', a FROM ipk LIMIT 3", a);
    case 19:
        return mem_printf("DELETE FROM %s", (const char *[]){"plain", "pair", "child"}[a % 3]);
    case 20:
        return mem_printf("INSERT OR IGNORE INTO gen (a, c) VALUES (%d, 'g'), (%d, 'h')", a, b);
    default:
        return mem_printf("UPDATE gen SET c = 'z%d', a = a + 100 WHERE a = %d", a, b);
    }
}

/* A random statement, or now and then a change of the schema, among the captured rows. */
static struct error *random_change(struct store *s, struct rng *r)
{
    static const char *const changes[] = {
        "DROP TABLE plain; CREATE TABLE plain (a INTEGER, \"select\" TEXT UNIQUE) STRICT",
        "CREATE UNIQUE INDEX IF NOT EXISTS u ON textkey (n)",
        "DROP INDEX IF EXISTS u",
        "ALTER TABLE pair RENAME COLUMN z TO zz; ALTER TABLE pair RENAME COLUMN zz TO z",
        "CREATE TABLE IF NOT EXISTS more (a TEXT, b INTEGER) STRICT; INSERT INTO more VALUES "
        "('a', 1)",
        "DROP TABLE IF EXISTS more",
        "CREATE TABLE more (nonsense NONSENSE) STRICT",
    };
    if (rng_below(r, 12) == 0) {
        const char *ddl_text = changes[rng_below(r, ARRAY_LEN(changes))];
        return store_change_schema(s, ddl_text, strlen(ddl_text), 0);
    }
    char *sql = random_statement(r);
    struct error *e = try_write(s, sql);
    mem_free(sql);
    return e;
}

/* Random statements and schema changes in random savepoints, some failing: the backup holds the
 * same tables, rows, rowids and values after each commit. */
static void captured_changes_make_the_backup_equal(void **state)
{
    struct pair p = open_pair(*state);
    struct rng r;
    int failed = 0, done = 0;
    rng_seed(&r, 20);
    for (int txn = 0; txn < 250; txn++) {
        ok(store_begin(p.from));
        int depth = 0;
        for (uint64_t n = 1 + rng_below(&r, 8); n; n--) {
            if (rng_below(&r, 4) == 0) {
                ok(store_mark(p.from));
                depth++;
            }
            ok(store_mark(p.from));
            struct error *e = random_change(p.from, &r);
            *(e ? &failed : &done) += 1;
            ok(e ? store_rollback_to(p.from) : store_release_mark(p.from));
            error_free(e);
            if (depth && rng_below(&r, 4) == 0) {
                ok(rng_below(&r, 2) ? store_rollback_to(p.from) : store_release_mark(p.from));
                depth--;
            }
        }
        assert_int_equal(store_marks(p.from), depth);
        replicate(p.from, p.to);
        same_content(p.from, p.to);
    }
    assert_true(failed > 50 && done > 300);
    assert_int_equal(query_int(store_writer(p.to), "SELECT count(*) FROM pragma_foreign_key_check"),
                     0);
    close_pair(&p);
}

/* Going back to a mark, at any depth, forgets what was captured since, tables' definitions too. */
static void marks_forget_changes(void **state)
{
    struct pair p = open_pair(*state);
    ok(store_begin(p.from));
    ok(store_mark(p.from));
    do_write(p.from, "INSERT INTO ipk (id) VALUES (1)");
    ok(store_mark(p.from));
    do_write(p.from, "INSERT INTO plain (a) VALUES (1)");
    ok(store_rollback_to(p.from));
    do_write(p.from, "INSERT INTO pair VALUES (1, 'a', 1)");
    ok(store_release_mark(p.from));
    do_write(p.from, "INSERT INTO plain (a) VALUES (2)");
    replicate(p.from, p.to);
    same_content(p.from, p.to);
    assert_int_equal(query_int(store_writer(p.to), "SELECT a FROM plain"), 2);
    ok(store_begin(p.from));
    ok(store_mark(p.from));
    do_write(p.from, "DELETE FROM plain");
    ok(store_rollback_to(p.from));
    assert_int_equal(store_changes_size(p.from), 0);
    fails(store_rollback_to(p.from), E_INTERNAL);
    store_rollback(p.from);
    close_pair(&p);
}

/* Rows that REPLACE, foreign keys and a DELETE of everything remove are captured one by one. */
static void indirect_changes_are_captured(void **state)
{
    struct pair p = open_pair(*state);
    ok(store_begin(p.from));
    do_write(p.from, "INSERT INTO ipk (id) VALUES (1), (2)");
    do_write(p.from, "INSERT INTO child VALUES (1, 1, NULL), (2, 1, NULL), (3, 2, NULL)");
    do_write(p.from, "INSERT INTO plain VALUES (1, 'one'), (2, 'two')");
    captured(p.from, "I7 U0 D0");
    do_write(p.from, "DELETE FROM ipk WHERE id = 1");
    captured(p.from, "I0 U0 D3");
    do_write(p.from, "UPDATE ipk SET id = 9 WHERE id = 2");
    captured(p.from, "I0 U2 D0");
    do_write(p.from, "REPLACE INTO plain VALUES (3, 'one')");
    captured(p.from, "I1 U0 D1");
    do_write(p.from, "DELETE FROM plain");
    captured(p.from, "I0 U0 D2");
    do_write(p.from, "INSERT OR IGNORE INTO ipk (id) VALUES (9)");
    captured(p.from, "I0 U0 D0");
    store_rollback(p.from);
    close_pair(&p);
}

/* A column added with a default: rows from before it are changed at the backup with their full
 * values. */
static void rows_from_before_a_column_are_whole(void **state)
{
    struct pair p = open_pair(*state);
    ok(store_begin(p.from));
    do_write(p.from, "INSERT INTO plain VALUES (1, 'one'), (2, 'two')");
    replicate(p.from, p.to);
    ddl(p.from, "ALTER TABLE plain ADD COLUMN d INTEGER DEFAULT 7");
    ddl(p.to, "ALTER TABLE plain ADD COLUMN d INTEGER DEFAULT 7");
    ok(store_begin(p.from));
    do_write(p.from, "UPDATE plain SET a = 5 WHERE a = 1");
    do_write(p.from, "UPDATE plain SET d = d + 1 WHERE a = 2");
    replicate(p.from, p.to);
    same_content(p.from, p.to);
    assert_int_equal(query_int(store_writer(p.to), "SELECT sum(d) FROM plain"), 15);
    close_pair(&p);
}

/* Our own tables and temporary ones are not replicated. */
static void internal_tables_are_not_captured(void **state)
{
    struct store *s = open_store(*state, 1);
    ok(store_exec(store_writer(s), "CREATE TEMP TABLE scratch (a)"));
    ok(store_begin(s));
    struct store_request request = {.gateway = 1, .slot = 2, .seq = 3};
    ok(store_put_request(s, &request, "x", 1));
    do_write(s, "INSERT INTO scratch VALUES (1)");
    assert_int_equal(store_changes_size(s), 0);
    ok(store_commit(s, 1, 1));
    store_close(s);
}

/* DDL that is rolled back is forgotten, with its version; what is captured after it fits the file.
 */
static void ddl_is_transactional(void **state)
{
    struct pair p = open_pair(*state);
    uint64_t version = store_meta(p.from)->schema_version;
    const char *sql = "DROP TABLE gen; CREATE TABLE gen (x TEXT, y TEXT, z TEXT) STRICT";
    ok(store_begin(p.from));
    do_write(p.from, "INSERT INTO gen (a) VALUES (1)");
    ok(store_mark(p.from));
    ok(store_apply_ddl(p.from, sql, strlen(sql), version + 5));
    do_write(p.from, "INSERT INTO gen VALUES ('a', 'b', 'c')");
    ok(store_rollback_to(p.from));
    do_write(p.from, "INSERT INTO gen (a) VALUES (2)");
    replicate(p.from, p.to);
    same_content(p.from, p.to);
    assert_int_equal(store_meta(p.from)->schema_version, version);
    const char *unique = "CREATE UNIQUE INDEX u ON gen (c)";
    ok(store_begin(p.from));
    do_write(p.from, "UPDATE gen SET c = 'same'");
    ok(store_mark(p.from));
    fails(store_apply_ddl(p.from, unique, strlen(unique), version + 1), E_UNIQUE);
    ok(store_rollback_to(p.from));
    replicate(p.from, p.to);
    same_content(p.from, p.to);
    const char *virtual = "CREATE TABLE v (a INTEGER, b INTEGER AS (a + 1) VIRTUAL) STRICT";
    struct store_table *none;
    ok(store_begin(p.from));
    ok(store_apply_ddl(p.from, virtual, strlen(virtual), version + 1));
    fails(store__table(p.from, "v", 1, &none), E_UNSUPPORTED);
    store_rollback(p.from);
    close_pair(&p);
}

/* A schema change of a transaction travels in its place among the rows, with the version; a
 * savepoint takes it back from there, too. */
static void schema_changes_travel_with_rows(void **state)
{
    struct pair p = open_pair(*state);
    const char *create = "CREATE TABLE fresh (a INTEGER, b TEXT) STRICT";
    const char *again =
        "DROP TABLE fresh; CREATE TABLE fresh (b TEXT, c INTEGER, PRIMARY KEY (b, c)) STRICT, "
        "WITHOUT ROWID";
    ok(store_begin(p.from));
    do_write(p.from, "INSERT INTO gen (a) VALUES (1)");
    ok(store_change_schema(p.from, create, strlen(create), 41));
    do_write(p.from, "INSERT INTO fresh VALUES (1, 'x')");
    ok(store_mark(p.from));
    ok(store_change_schema(p.from, again, strlen(again), 42));
    do_write(p.from, "INSERT INTO fresh VALUES ('gone', 1)");
    ok(store_rollback_to(p.from));
    do_write(p.from, "UPDATE fresh SET b = 'y'");
    replicate(p.from, p.to);
    same_content(p.from, p.to);
    assert_int_equal(store_meta(p.from)->schema_version, 41);
    assert_int_equal(store_meta(p.to)->schema_version, 41);
    ok(store_begin(p.from));
    ok(store_change_schema(p.from, again, strlen(again), 42));
    do_write(p.from, "INSERT INTO fresh VALUES ('stays', 1)");
    replicate(p.from, p.to);
    same_content(p.from, p.to);
    assert_int_equal(query_int(store_writer(p.to), "SELECT count(*) FROM fresh"), 1);
    assert_int_equal(store_meta(p.to)->schema_version, 42);
    close_pair(&p);
}

/* Rows of before a schema change that a damaged entry names after it are refused. */
static void tables_of_before_a_schema_change_are_gone(void **state)
{
    struct pair p = open_pair(*state);
    const char *drop = "DROP TABLE gen";
    const char *data;
    size_t len;
    ok(store_begin(p.from));
    do_write(p.from, "INSERT INTO gen (a) VALUES (1)");
    store_changes(p.from, &data, &len);
    struct buf bytes = {0};
    buf_append(&bytes, data, len);
    size_t row = len;
    while (bytes.data[row - 1] != 'I')
        row--;
    store__put_ddl(&bytes, drop, strlen(drop), 9);
    buf_append(&bytes, data + row - 1, len - row + 1);
    ok(store_begin(p.to));
    fails(store_apply(p.to, bytes.data, bytes.len), E_DAMAGED);
    store_rollback(p.to);
    store_rollback(p.from);
    buf_done(&bytes);
    close_pair(&p);
}

/* DROP TABLE neither fails on rows that refer to it nor captures its rows. */
static void drop_table_captures_nothing(void **state)
{
    struct pair p = open_pair(*state);
    ok(store_begin(p.from));
    do_write(p.from, "INSERT INTO ipk (id) VALUES (1)");
    do_write(p.from, "INSERT INTO child VALUES (1, 1, NULL)");
    replicate(p.from, p.to);
    ok(store_begin(p.from));
    ok(store_apply_ddl(p.from, "DROP TABLE ipk", 14, 9));
    assert_int_equal(store_changes_size(p.from), 0);
    ok(store_commit(p.from, 3, 1));
    assert_int_equal(query_int(store_writer(p.from), "SELECT count(*) FROM child"), 1);
    ok(store_begin(p.from)); /* and foreign keys are in force again */
    struct error *e = try_write(p.from, "INSERT INTO child VALUES (2, 1, NULL)");
    assert_non_null(e);
    error_free(e);
    store_rollback(p.from);
    close_pair(&p);
}

/* A change of a row that isn't there, or of a table that isn't, says that the replica has diverged.
 */
static void divergence_is_told(void **state)
{
    struct pair p = open_pair(*state);
    static const char *const changes[] = {
        "DELETE FROM ipk WHERE id = 1", "UPDATE ipk SET a = 'z' WHERE id = 1",
        "DELETE FROM pair WHERE x = 1", "INSERT INTO textkey VALUES ('there', 2)",
        "INSERT INTO gen (a) VALUES (1)"};
    ok(store_begin(p.from));
    do_write(p.from, "INSERT INTO ipk (id) VALUES (1)");
    do_write(p.from, "INSERT INTO pair VALUES (1, 'a', 1)");
    ok(store_commit(p.from, 2, 1));
    ddl(p.to, "DROP TABLE gen");
    ok(store_begin(p.to));
    do_write(p.to, "INSERT INTO textkey VALUES ('there', 1)");
    ok(store_commit(p.to, 3, 1));
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        const char *data;
        size_t len;
        ok(store_begin(p.from));
        do_write(p.from, changes[i]);
        store_changes(p.from, &data, &len);
        ok(store_begin(p.to));
        fails(store_apply(p.to, data, len), E_DAMAGED);
        store_rollback(p.to);
        store_rollback(p.from);
    }
    close_pair(&p);
}

/* A big transaction is taken in parts, each of which applies by itself. */
static void changes_are_taken_in_parts(void **state)
{
    struct pair p = open_pair(*state);
    ok(store_begin(p.from));
    ok(store_begin(p.to));
    for (int i = 0; i < 10; i++) {
        const char *data;
        size_t len;
        for (int k = 0; k < 100; k++)
            do_write(p.from, k % 2 ? "INSERT INTO plain (a) VALUES (1)"
                                   : "INSERT INTO ipk (a) VALUES ('some text')");
        assert_true(store_changes_size(p.from) > 500);
        store_changes(p.from, &data, &len);
        assert_int_equal(store_changes_size(p.from), 0);
        ok(store_apply(p.to, data, len));
    }
    ok(store_commit(p.from, 5, 1));
    ok(store_commit(p.to, 5, 1));
    same_content(p.from, p.to);
    close_pair(&p);
}

/* Random bytes, and real changes with bits flipped or cut, are refused or applied, never a crash.
 */
static void garbage_is_refused(void **state)
{
    struct pair p = open_pair(*state);
    struct rng r;
    rng_seed(&r, 3);
    struct buf good = {0};
    const char *data;
    size_t len;
    ok(store_begin(p.from));
    do_write(p.from, "INSERT INTO ipk VALUES (1, 'text', 2.5, x'0102'), (2, NULL, NULL, NULL)");
    do_write(p.from, "INSERT INTO pair VALUES (1, 'y', 3)");
    do_write(p.from, "UPDATE pair SET x = 2");
    do_write(p.from, "UPDATE ipk SET id = id + 5");
    do_write(p.from, "DELETE FROM ipk WHERE id = 6");
    store_changes(p.from, &data, &len);
    buf_append(&good, data, len);
    store_rollback(p.from);
    int refused = 0;
    for (int i = 0; i < 3000; i++) {
        size_t n = i % 3 == 0 ? (size_t)rng_below(&r, good.len) : good.len;
        char *bytes = mem_alloc(n + 1);
        memcpy(bytes, good.data, n);
        if (i % 3 == 1)
            for (uint64_t k = 1 + rng_below(&r, 3); k; k--) {
                size_t at = (size_t)rng_below(&r, n);
                bytes[at] = (char)(bytes[at] ^ (1 << rng_below(&r, 8)));
            }
        if (i % 3 == 2)
            for (size_t k = 1; k < n; k++)
                bytes[k] = (char)rng_next(&r);
        ok(store_begin(p.to));
        struct error *e = store_apply(p.to, bytes, n);
        refused += e != NULL;
        error_free(e);
        store_rollback(p.to);
        mem_free(bytes);
    }
    assert_true(refused > 1500);
    ok(store_begin(p.to));
    ok(store_apply(p.to, good.data, good.len));
    store_rollback(p.to);
    buf_done(&good);
    close_pair(&p);
}

/* ---- requests ------------------------------------------------------------------------------- */

/* A request's result is found again, after reopening too; a later one of its slot replaces it, and
 * the older one is then refused instead of run again. */
static void requests_are_found_again(void **state)
{
    struct store *s = open_store(*state, 1);
    struct arena a = {0};
    struct store_request r = {.gateway = UINT64_MAX - 1, .slot = 4, .seq = 10}, other = r;
    bool found = true;
    const char *result;
    size_t len;
    ok(store_find_request(s, &r, &a, &found, &result, &len));
    assert_false(found);
    ok(store_begin(s));
    ok(store_put_request(s, &r, "ab\0c", 4));
    ok(store_commit(s, 1, 1));
    store_close(s);
    s = open_store(*state, 1);
    ok(store_find_request(s, &r, &a, &found, &result, &len));
    assert_true(found);
    assert_int_equal(len, 4);
    assert_memory_equal(result, "ab\0c", 4);
    other.slot = 5;
    ok(store_find_request(s, &other, &a, &found, &result, &len));
    assert_false(found);
    r.seq = 11;
    ok(store_find_request(s, &r, &a, &found, &result, &len));
    assert_false(found);
    ok(store_begin(s));
    ok(store_put_request(s, &r, "", 0));
    ok(store_find_request(s, &r, &a, &found, &result, &len));
    assert_true(found && len == 0);
    ok(store_commit(s, 2, 1));
    r.seq = 10;
    fails(store_find_request(s, &r, &a, &found, &result, &len), E_PROTOCOL);
    arena_done(&a);
    store_close(s);
}

/* ---- failing disks, killed processes -------------------------------------------------------- */

/* A full disk is 53100, the transaction is gone and says so, and the store goes on afterwards. */
static void full_disk_is_told(void **state)
{
    struct store *s = open_store(*state, 1);
    ddl(s, "CREATE TABLE t (a BLOB) STRICT");
    ok(store_exec(store_writer(s), "PRAGMA max_page_count = 30"));
    ok(store_begin(s));
    do_write(s, "INSERT INTO t VALUES (zeroblob(1000))");
    fails(try_write(s, "INSERT INTO t VALUES (zeroblob(200000))"), E_DISK_FULL);
    struct error *e = store_commit(s, 2, 1);
    if (!sqlite3_get_autocommit(store_db(store_writer(s))))
        fail();
    error_free(e);
    store_rollback(s);
    ok(store_exec(store_writer(s), "PRAGMA max_page_count = 100000"));
    ok(store_begin(s));
    do_write(s, "INSERT INTO t VALUES (zeroblob(200000))");
    ok(store_commit(s, 3, 1));
    assert_int_equal(store_meta(s)->applied_lsn, 3);
    store_close(s);
}

static void write_until_killed(const char *dir)
{
    struct store *s = open_store(dir, 1);
    for (uint64_t lsn = store_meta(s)->applied_lsn + 1;; lsn++) {
        ok(store_begin(s));
        do_write(s, "INSERT INTO t VALUES (1)");
        ok(store_commit(s, lsn, 1));
        uint64_t durable;
        if (lsn % 50 == 0)
            ok(store_checkpoint(s, &durable));
    }
}

/* Killed at any time, the file holds exactly what its applied lsn says. */
static void lsn_and_rows_agree_after_sigkill(void **state)
{
    struct store *s = open_store(*state, 1);
    ok(store_begin(s));
    ok(store_apply_ddl(s, "CREATE TABLE t (a INTEGER) STRICT", 33, 1));
    ok(store_commit(s, 0, 1));
    store_close(s);
    struct rng r;
    rng_seed(&r, 8);
    for (int round = 0; round < 10; round++) {
        pid_t child = fork();
        if (child == 0)
            write_until_killed(*state);
        sleep_ms((unsigned)(20 + rng_below(&r, 50)));
        kill(child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        s = open_store(*state, 1);
        assert_int_equal(query_int(store_writer(s), "SELECT count(*) FROM t"),
                         store_meta(s)->applied_lsn);
        store_close(s);
    }
}

/* ---- checkpoints and counts ----------------------------------------------------------------- */

/* A checkpoint says up to where the file is durable, and a long WAL starts over, in spite of a
 * writer. */
static void checkpoints_keep_the_wal_short(void **state)
{
    int normal = store__reset_pages;
    store__reset_pages = 50;
    struct store *s = open_store(*state, 1);
    ddl(s, "CREATE TABLE t (a BLOB) STRICT");
    char *wal = mem_printf("%s/region-1.db-wal", (char *)*state);
    struct stat st;
    for (uint64_t lsn = 2; lsn < 60; lsn++) {
        uint64_t durable = 0;
        ok(store_begin(s));
        do_write(s, "INSERT INTO t VALUES (zeroblob(40000))");
        ok(store_commit(s, lsn, 1));
        assert_true(store_wal_bytes(s) > 40000);
        ok(store_begin(s));
        ok(store_checkpoint(s, &durable)); /* beside an open transaction */
        assert_int_equal(durable, lsn);
        store_rollback(s);
        if (lsn % 5 == 0)
            ok(store_checkpoint(s, &durable));
        assert_int_equal(store_wal_bytes(s), 0);
    }
    assert_int_equal(stat(wal, &st), 0);
    assert_true(st.st_size < 1000000);
    assert_true(store_file_bytes(s) > 2000000);
    mem_free(wal);
    store_close(s);
    store__reset_pages = normal;
}

/* Counts are those of a moment ago, and a missing table is an error. */
static void rows_are_counted(void **state)
{
    struct store *s = open_store(*state, 1);
    int64_t n;
    ddl(s, "CREATE TABLE \"a \"\"b\" (a INTEGER) STRICT");
    ok(store_begin(s));
    do_write(s, "INSERT INTO \"a \"\"b\" VALUES (1), (2)");
    ok(store_commit(s, 2, 1));
    ok(store_row_count(s, "a \"b", &n));
    assert_int_equal(n, 2);
    ok(store_begin(s));
    do_write(s, "DELETE FROM \"a \"\"b\"");
    ok(store_commit(s, 3, 1));
    ok(store_row_count(s, "a \"b", &n));
    assert_int_equal(n, 2);
    struct store_count *c = map_get_str(&s->counts, "a \"b");
    c->counted_ms -= 100000;
    ok(store_row_count(s, "a \"b", &n));
    assert_int_equal(n, 0);
    struct error *e = store_row_count(s, "none", &n);
    assert_non_null(e);
    error_free(e);
    store_close(s);
}

struct writing {
    struct store *s;
    _Atomic bool stop;
};

/* ---- sleep ---------------------------------------------------------------------------------- */

/* Descriptors of this process on files below dir. */
static int open_below(const char *dir)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(d));) {
        char link[64], target[256] = {0};
        snprintf(link, sizeof(link), "/proc/self/fd/%.20s", entry->d_name);
        if (readlink(link, target, sizeof(target) - 1) > 0 &&
            strncmp(target, dir, strlen(dir)) == 0)
            n++;
    }
    closedir(d);
    return n;
}

/* A store that sleeps has no file open, still says what it holds, and goes on where it was. */
static void stores_sleep(void **state)
{
    struct store *s = open_store(*state, 1);
    struct store_conn *c;
    int64_t n = 0;
    uint64_t durable;
    ddl(s, "CREATE TABLE t (a INTEGER) STRICT");
    assert_false(store_known_rows(s, "t", &n));
    ok(store_begin(s));
    assert_false(store_sleep(s));
    do_write(s, "INSERT INTO t VALUES (1)");
    ok(store_commit(s, 2, 1));
    ok(store_get_reader(s, &c));
    assert_false(store_sleep(s));
    store_put_reader(s, c);
    ok(store_row_count(s, "t", &n));
    ok(store_checkpoint(s, &durable));
    assert_true(store_sleep(s));
    assert_int_equal(open_below(*state), 0);
    char *wal = mem_printf("%s/region-1.db-wal", (char *)*state);
    assert_int_equal(access(wal, F_OK), -1);
    assert_int_equal(store_meta(s)->applied_lsn, 2);
    assert_true(store_known_rows(s, "t", &n) && n == 1 && store_counts_hold(s));
    assert_true(store_file_bytes(s) > 0);
    ok(store_get_reader(s, &c));
    assert_int_equal(query_int(c, "SELECT count(*) FROM t"), 1);
    store_put_reader(s, c);
    ok(store_begin(s));
    do_write(s, "INSERT INTO t VALUES (2)");
    ok(store_commit(s, 3, 1));
    assert_false(store_counts_hold(s));

    /* what was not moved to the file waits in SQLite's WAL */
    uint64_t bytes = store_wal_bytes(s);
    assert_true(bytes > 0);
    assert_true(store_sleep(s));
    assert_int_equal(open_below(*state), 0);
    assert_int_equal(access(wal, F_OK), 0);
    assert_int_equal(store_wal_bytes(s), bytes);
    struct store *later = NULL;
    ok(store_open(*state, CLUSTER, 1, &later));
    assert_int_equal(open_below(*state), 0);
    assert_int_equal(store_meta(later)->applied_lsn, 3);
    assert_true(store_wal_bytes(later) > 0);
    ok(store_checkpoint(later, &durable));
    assert_int_equal(durable, 3);
    assert_int_equal(store_wal_bytes(later), 0);
    assert_true(store_sleep(later));
    assert_int_equal(access(wal, F_OK), -1);
    store_close(later);
    mem_free(wal);
    store_close(s);
}

static void *read_along(void *arg)
{
    struct writing *w = arg;
    while (!atomic_load(&w->stop)) {
        struct store_conn *c;
        ok(store_get_reader(w->s, &c));
        ok(store_reader_begin(c));
        int64_t n = query_int(c, "SELECT count(*) FROM t");
        assert_int_equal(query_int(c, "SELECT applied_lsn FROM minisql_meta"), n + 1);
        store_put_reader(w->s, c);
        sleep_ms(1);
    }
    return NULL;
}

/* Whoever reads while a store goes to sleep and wakes up notices nothing. */
static void readers_do_not_notice(void **state)
{
    struct writing w = {.s = open_store(*state, 1)};
    pthread_t threads[3];
    ddl(w.s, "CREATE TABLE t (a INTEGER) STRICT");
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_along, &w), 0);
    int slept = 0;
    for (uint64_t lsn = 2; lsn < 300; lsn++) {
        uint64_t durable;
        ok(store_begin(w.s));
        do_write(w.s, "INSERT INTO t VALUES (1)");
        ok(store_commit(w.s, lsn, 1));
        if (lsn % 7 == 0)
            ok(store_checkpoint(w.s, &durable));
        store_sleep(w.s);
        slept += w.s->writer == NULL;
    }
    atomic_store(&w.stop, true);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_true(slept > 0);
    store_close(w.s);
}

/* ---- snapshots ------------------------------------------------------------------------------ */

static struct error *page_to_file(void *ctx, uint64_t number, const void *page)
{
    bool written = fseek(ctx, (long)number * STORE_PAGE, SEEK_SET) == 0 &&
                   fwrite(page, STORE_PAGE, 1, ctx) == 1;
    return written ? NULL : error_new(E_IO, "short write");
}

/* Each transaction leaves the sum at 0, and as many rows as its lsn says. */
static void *write_on(void *arg)
{
    struct writing *w = arg;
    while (!w->stop) {
        uint64_t lsn = store_meta(w->s)->applied_lsn + 1;
        ok(store_begin(w->s));
        do_write(w->s, "INSERT INTO t VALUES (random() % 1000, zeroblob(500))");
        do_write(w->s, "INSERT INTO t SELECT -a, b FROM t WHERE rowid = last_insert_rowid()");
        ok(store_commit(w->s, lsn, 1));
    }
    return NULL;
}

/* A snapshot that is made beside a busy writer is one commit's content; installed elsewhere, it is
 * that replica. */
static void snapshots_are_consistent(void **state)
{
    char *path = mem_printf("%s/received", (char *)*state);
    char *other = mem_printf("%s/other", (char *)*state);
    mkdir(other, 0700);
    struct store *s = open_store(*state, 1);
    ok(store_begin(s));
    ok(store_apply_ddl(s, "CREATE TABLE t (a INTEGER, b BLOB) STRICT", 41, 1));
    ok(store_commit(s, 0, 1));
    struct writing w = {.s = s};
    pthread_t thread;
    pthread_create(&thread, NULL, write_on, &w);
    for (int round = 0; round < 5; round++) {
        struct store_meta made, got;
        sleep_ms(30);
        FILE *f = fopen(path, "w");
        uint64_t pages = 0;
        ok(store_scan(s, page_to_file, f)); /* of no commit; the snapshot puts it right */
        ok(store_snapshot(s, page_to_file, f, &made, &pages));
        assert_int_equal(ftruncate(fileno(f), (off_t)(pages * STORE_PAGE)), 0);
        fclose(f);
        ok(store_check(path, CLUSTER, 1, &got));
        ok(store_install(other, 1, path));
        assert_memory_equal(&made, &got, sizeof(made));
        struct store *copy = open_store(other, 1);
        assert_int_equal(store_meta(copy)->applied_lsn, made.applied_lsn);
        assert_true(made.applied_lsn > 0);
        assert_int_equal(query_int(store_writer(copy), "SELECT count(*) FROM t"),
                         2 * made.applied_lsn);
        assert_int_equal(query_int(store_writer(copy), "SELECT sum(a) FROM t"), 0);
        ok(store_begin(copy)); /* something that the next installation replaces */
        do_write(copy, "INSERT INTO t VALUES (12345, NULL)");
        ok(store_commit(copy, 1, 1));
        store_close(copy);
    }
    w.stop = true;
    pthread_join(thread, NULL);
    store_close(s);
    mem_free(path);
    mem_free(other);
}

static struct error *refuse(void *ctx, uint64_t number, const void *page)
{
    return error_new(E_CONNECTION, "the receiver is gone");
}

/* A receiver that goes away, and a file that is damaged or another region's, leave all as it was.
 */
static void bad_snapshots_change_nothing(void **state)
{
    struct store *s = open_store(*state, 1);
    ddl(s, "CREATE TABLE t (a INTEGER, b BLOB) STRICT; CREATE INDEX i ON t (a)");
    ok(store_begin(s));
    do_write(s, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
                "INSERT INTO t SELECT i, zeroblob(100) FROM n");
    ok(store_commit(s, 9, 1));
    struct store_meta meta;
    uint64_t pages;
    fails(store_snapshot(s, refuse, NULL, &meta, &pages), E_CONNECTION);
    char *path = mem_printf("%s/received", (char *)*state);
    FILE *f = fopen(path, "w+");
    ok(store_snapshot(s, page_to_file, f, &meta, &pages));
    store_close(s);
    fails(store_check(path, CLUSTER, 2, &meta), "55000");
    fails(store_check(path, CLUSTER + 1, 1, &meta), "55000");
    fseek(f, 20 * 4096, SEEK_SET);
    for (int i = 0; i < 4096 * 10; i++)
        fputc(0x5a, f);
    fclose(f);
    fails(store_check(path, CLUSTER, 1, &meta), E_DAMAGED);
    s = open_store(*state, 1);
    assert_int_equal(store_meta(s)->applied_lsn, 9);
    assert_int_equal(query_int(store_writer(s), "SELECT count(*) FROM t"), 5000);
    store_close(s);
    mem_free(path);
}

static void put_file(const char *dir, const char *name, const char *content)
{
    char *path = mem_printf("%s/region-1%s", dir, name);
    FILE *f = fopen(path, "w");
    fputs(content, f);
    fclose(f);
    mem_free(path);
}

static char *files(const char *dir)
{
    static const char *const names[] = {".db", ".db-wal", ".db.old", ".db.old-wal"};
    struct buf b = {0};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path = mem_printf("%s/region-1%s", dir, names[i]), text[16] = "";
        FILE *f = fopen(path, "r");
        if (f) {
            assert_non_null(fgets(text, sizeof(text), f));
            buf_printf(&b, "%s=%s ", names[i], text);
            fclose(f);
            unlink(path);
        }
        mem_free(path);
    }
    return b.data;
}

/* A crash at each step of an installation is undone or finished by the next opening. */
static void interrupted_installations_are_settled(void **state)
{
    static const struct {
        const char *before[8], *after;
    } cases[] = {
        {{".db", "old", ".db-wal", "oldwal"}, ".db=old .db-wal=oldwal "},
        {{".db", "old", ".db.old-wal", "oldwal"}, ".db=old .db-wal=oldwal "},
        {{".db.old", "old", ".db.old-wal", "oldwal"}, ".db=old .db-wal=oldwal "},
        {{".db.old", "old"}, ".db=old "},
        {{".db", "new", ".db.old", "old", ".db.old-wal", "oldwal"}, ".db=new "},
        {{".db", "new", ".db.old", "old"}, ".db=new "},
        {{".db", "new"}, ".db=new "},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t k = 0; k < 8 && cases[i].before[k]; k += 2)
            put_file(*state, cases[i].before[k], cases[i].before[k + 1]);
        ok(store__settle_install(*state, 1));
        char *after = files(*state);
        assert_string_equal(after, cases[i].after);
        mem_free(after);
    }
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(commits_are_kept),
        CASE(files_are_listed_and_deleted),
        CASE(foreign_files_are_refused),
        CASE(statements_are_cached),
        CASE(readers_see_commits),
        CASE(readers_are_limited),
        CASE(captured_changes_make_the_backup_equal),
        CASE(marks_forget_changes),
        CASE(indirect_changes_are_captured),
        CASE(rows_from_before_a_column_are_whole),
        CASE(internal_tables_are_not_captured),
        CASE(ddl_is_transactional),
        CASE(schema_changes_travel_with_rows),
        CASE(tables_of_before_a_schema_change_are_gone),
        CASE(drop_table_captures_nothing),
        CASE(divergence_is_told),
        CASE(changes_are_taken_in_parts),
        CASE(garbage_is_refused),
        CASE(requests_are_found_again),
        CASE(full_disk_is_told),
        CASE(lsn_and_rows_agree_after_sigkill),
        CASE(checkpoints_keep_the_wal_short),
        CASE(rows_are_counted),
        CASE(stores_sleep),
        CASE(readers_do_not_notice),
        CASE(snapshots_are_consistent),
        CASE(bad_snapshots_change_nothing),
        CASE(interrupted_installations_are_settled),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
