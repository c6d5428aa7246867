/*
 * Row changes from another server. The bytes are decoded alone, and applied to a file that has a
 * table of each kind, in a transaction that is rolled back. Nothing may crash, and our own tables
 * must not change.
 */
#include "fuzz.h"

#include "store/store_int.h"

#include <stdio.h>
#include <unistd.h>

static struct store *store;
static char dir[] = "/tmp/fuzz_store.XXXXXX";

static void check(struct error *e)
{
    if (!e)
        return;
    fprintf(stderr, "%s: %s\n", e->sqlstate, e->message);
    abort();
}

static void clean_up(void)
{
    store_close(store);
    check(store_delete(dir, 1));
    rmdir(dir);
}

static void open_file(void)
{
    static const char sql[] =
        "CREATE TABLE ipk (id INTEGER PRIMARY KEY, a TEXT, b REAL) STRICT;"
        "CREATE TABLE plain (a INTEGER, b TEXT UNIQUE) STRICT;"
        "CREATE TABLE pair (x INTEGER, y TEXT, z BLOB, PRIMARY KEY (y, x)) STRICT, WITHOUT ROWID;"
        "INSERT INTO ipk VALUES (1, 'a', 1.5), (2, NULL, NULL);"
        "INSERT INTO plain VALUES (1, 'x'), (2, 'y');"
        "INSERT INTO pair VALUES (1, 'p', NULL), (2, 'q', x'00');";
    if (!mkdtemp(dir))
        abort();
    check(store_open(dir, 1, 1, &store));
    check(store_begin(store));
    check(store_apply_ddl(store, sql, sizeof(sql) - 1, 1));
    check(store_commit(store, 1, 1));
    atexit(clean_up);
}

static void decode(const uint8_t *data, size_t size)
{
    struct store_decoder d;
    struct store_change c;
    bool found;
    struct error *e;
    store__decoder_init(&d, data, size);
    do
        e = store__decode(&d, &c, &found);
    while (!e && found);
    if (e && found)
        abort();
    error_free(e);
    store__decoder_done(&d);
}

static void check_own_tables(void)
{
    sqlite3_stmt *stmt;
    static const char sql[] = "SELECT (SELECT count(*) FROM minisql_meta WHERE applied_lsn = 1),"
                              " (SELECT count(*) FROM minisql_requests)";
    check(store_prepare(store_writer(store), sql, sizeof(sql) - 1, &stmt));
    if (sqlite3_step(stmt) != SQLITE_ROW || sqlite3_column_int(stmt, 0) != 1 ||
        sqlite3_column_int(stmt, 1) != 0)
        abort();
    store_release(store_writer(store), stmt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!store)
        open_file();
    decode(data, size);
    check(store_begin(store));
    struct error *e = store_apply(store, data, size);
    error_free(e);
    check_own_tables();
    store_rollback(store);
    return 0;
}
