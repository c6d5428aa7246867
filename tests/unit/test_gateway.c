/*
 * gateway: a server of one in this process (embedded store, one region server), spoken to over its
 * socket: by libpq where that is enough, by hand where the bytes matter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gateway/gateway.h"
#include "pgwire/pgwire.h"

#include <libpq-fe.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
    char dir[64];
    char port[8];
    struct coord *coord;
    struct catalog *catalog;
    struct regions *regions;
    struct exec *exec;
    struct gateway *gateway;
} the;

/* ---- the server --------------------------------------------------------------------------- */

/* What a master does with one server: every table gets a region here. */
static struct error *create_table(const struct table *wanted)
{
    struct arena a = {0};
    struct table *t = table_copy(wanted, &a);
    struct error *e = catalog_next_id(the.catalog, &t->id);
    struct region r = {.epoch = 1, .schema_version = 1, .copies = 1, .primary = "s1"};
    if (!e)
        e = catalog_next_id(the.catalog, &r.id);
    t->region = r.id;
    t->version = 1;
    if (!e)
        e = catalog_create_table(the.catalog, t, &r);
    arena_done(&a);
    return e;
}

static struct error *run_ddl(void *ctx, const struct query *q, const char *text)
{
    if (q->kind == QUERY_CREATE_TABLE)
        return create_table(q->create_table.table);
    if (q->kind == QUERY_DROP_TABLE) {
        uint64_t id = q->drop.tables[0]->id;
        return catalog_drop_tables(the.catalog, &id, 1);
    }
    return error_new(E_UNSUPPORTED, "not in this test");
}

static void must(struct error *e)
{
    if (!e)
        return;
    log_failure(LOG_ERROR, e, "the server of this test did not start");
    exit(1);
}

static void elected(void *ctx, bool is_master)
{
}

static int start(void **state)
{
    strcpy(the.dir, "/tmp/test_gateway.XXXXXX");
    if (!mkdtemp(the.dir))
        return 1;
    log_threshold = LOG_ERROR;
    int fd;
    must(gateway_listen("127.0.0.1", "0", false, &fd));
    snprintf(the.port, sizeof(the.port), "%u", gateway_port(fd));
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%s", the.port);
    must(coord_open("embedded", the.dir, &the.coord));
    must(catalog_open(the.coord, 5000, &the.catalog));
    struct server self = {.name = "s1",
                          .address = address,
                          .gateway = true,
                          .region = true,
                          .master = true,
                          .incarnation = 1};
    must(catalog_register(the.catalog, &self));
    must(catalog_campaign(the.catalog, "s1", elected, NULL));
    struct regions_options ro = {
        .name = "s1", .dir = the.dir, .catalog = the.catalog, .repl = repl_defaults};
    must(regions_open(&ro, &the.regions));
    struct exec_options eo = {.name = "s1",
                              .catalog = the.catalog,
                              .regions = the.regions,
                              .ddl = {.run = run_ddl},
                              .settings = exec_defaults};
    must(exec_open(&eo, &the.exec));
    struct gateway_options go = {.name = "s1",
                                 .listen_fd = fd,
                                 .catalog = the.catalog,
                                 .exec = the.exec,
                                 .regions = the.regions,
                                 .clients = true,
                                 .max_connections = 20,
                                 .cached_statements = 50};
    must(gateway_open(&go, &the.gateway));
    for (int i = 0; i < 500 && !catalog_is_master(the.catalog); i++)
        sleep_ms(10);
    return 0;
}

static int stop(void **state)
{
    gateway_drain(the.gateway);
    gateway_await_clients(the.gateway, 1000);
    gateway_close(the.gateway);
    exec_close(the.exec);
    regions_close(the.regions, 0);
    catalog_close(the.catalog);
    coord_close(the.coord);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", the.dir);
    return system(command) ? 1 : 0;
}

/* ---- a client ----------------------------------------------------------------------------- */

static PGconn *dial_with(const char *more)
{
    char text[256];
    snprintf(text, sizeof(text), "host=127.0.0.1 port=%s dbname=minisql user=me %s", the.port,
             more);
    return PQconnectdb(text);
}

static PGconn *dial(void)
{
    PGconn *c = dial_with("");
    if (PQstatus(c) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(c));
    return c;
}

/* Rows as "a|b;c|d;", NULL as ~; the tag when there are none; an error as its SQLSTATE. */
static const char *shown(PGresult *r)
{
    static struct buf b;
    buf_clear(&b);
    if (PQresultStatus(r) == PGRES_FATAL_ERROR) {
        buf_puts(&b, PQresultErrorField(r, PG_DIAG_SQLSTATE));
    } else if (PQresultStatus(r) == PGRES_TUPLES_OK) {
        for (int i = 0; i < PQntuples(r); i++) {
            for (int k = 0; k < PQnfields(r); k++)
                buf_printf(&b, "%s%s", k ? "|" : "",
                           PQgetisnull(r, i, k) ? "~" : PQgetvalue(r, i, k));
            buf_puts(&b, ";");
        }
    } else {
        buf_puts(&b, PQcmdStatus(r));
    }
    PQclear(r);
    return b.data ? b.data : "";
}
#define ASK(c, sql, want) assert_string_equal(shown(PQexec(c, sql)), want)

static void fresh_table(PGconn *c, const char *columns)
{
    char sql[256];
    PQsetNoticeProcessor(c, (PQnoticeProcessor)(void (*)(void))free, NULL);
    PQclear(PQexec(c, "drop table if exists t"));
    snprintf(sql, sizeof(sql), "create table t (%s)", columns);
    ASK(c, sql, "CREATE TABLE");
}

/* ---- by hand ------------------------------------------------------------------------------ */

static int dial_raw(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)atoi(the.port)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    struct timeval slow = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &slow, sizeof(slow));
    return fd;
}

static void say(int fd, const void *data, size_t len)
{
    assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}
#define SAY(fd, literal) say(fd, literal, sizeof(literal) - 1)

static void hello(int fd)
{
    SAY(fd, "\0\0\0\x22\0\3\0\0user\0me\0database\0minisql\0\0");
}

static void message(struct buf *b, char type, const char *body, size_t len)
{
    buf_put8(b, (uint8_t)type);
    buf_put32(b, (uint32_t)len + 4);
    buf_append(b, body, len);
}
#define MESSAGE(b, type, literal) message(b, type, literal, sizeof(literal) - 1)

/* Types of the messages that come, up to and with the n-th `last` (or the end); errors with their
 * SQLSTATE. */
static const char *heard(int fd, char last, int n)
{
    static char text[4096];
    size_t at = 0;
    text[0] = 0;
    while (n) {
        unsigned char head[5];
        if (recv(fd, head, 5, MSG_WAITALL) != 5) {
            strcpy(text + at, ".");
            break;
        }
        size_t len =
            ((size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4]) - 4;
        char *body = mem_zalloc(len + 1);
        assert_true(len == 0 || recv(fd, body, len, MSG_WAITALL) == (ssize_t)len);
        if (head[0] == 'E') {
            for (char *p = body; *p; p += strlen(p) + 1)
                if (*p == 'C')
                    at += (size_t)sprintf(text + at, "E%s ", p + 1);
        } else if (head[0] == 'C') {
            at += (size_t)sprintf(text + at, "C(%s)", body);
        } else if (head[0] != 'S' || last == 'S') {
            at += (size_t)sprintf(text + at, "%c", head[0]);
        }
        if (head[0] == 'Z')
            at += (size_t)sprintf(text + at, "%c", body[0]);
        n -= head[0] == (unsigned char)last;
        mem_free(body);
    }
    return text;
}

static int dial_hand(void)
{
    int fd = dial_raw();
    hello(fd);
    assert_string_equal(heard(fd, 'Z', 1), "RKZI");
    return fd;
}

/* ---- startup ------------------------------------------------------------------------------ */

/* Drivers learn what they need from the first answers. */
static void a_session_begins(void **state)
{
    PGconn *c = dial_with("application_name=tester options='-c statement_timeout=5s'");
    assert_int_equal(PQstatus(c), CONNECTION_OK);
    assert_string_equal(PQparameterStatus(c, "server_encoding"), "UTF8");
    assert_string_equal(PQparameterStatus(c, "application_name"), "tester");
    assert_int_equal(PQserverVersion(c), 150000);
    assert_true(PQbackendPID(c) > 0);
    ASK(c, "show statement_timeout", "5s;");
    PQfinish(c);
}

/* What can't be had is refused with the reason: another database, another encoding, an unknown
 * setting. */
static void bad_startups_are_refused(void **state)
{
    static const char *const bad[][2] = {
        {"dbname=other", "database \"other\" does not exist"},
        {"client_encoding=nonsense", "invalid value for parameter \"client_encoding\""},
        {"options='-c nosuch=1'", "unrecognized configuration parameter \"nosuch\""}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        PGconn *c = dial_with(bad[i][0]);
        assert_int_equal(PQstatus(c), CONNECTION_BAD);
        assert_non_null(strstr(PQerrorMessage(c), bad[i][1]));
        PQfinish(c);
    }
}

/* SSLRequest and GSSENCRequest are answered N, and the session goes on in plain text. */
static void encryption_is_declined(void **state)
{
    int fd = dial_raw();
    char answer;
    SAY(fd, "\0\0\0\x08\x04\xd2\x16\x2f");
    assert_int_equal(recv(fd, &answer, 1, 0), 1);
    assert_int_equal(answer, 'N');
    SAY(fd, "\0\0\0\x08\x04\xd2\x16\x30");
    assert_int_equal(recv(fd, &answer, 1, 0), 1);
    assert_int_equal(answer, 'N');
    hello(fd);
    assert_string_equal(heard(fd, 'Z', 1), "RKZI");
    close(fd);
}

/* Garbage ends the connection, with 08P01 when it began as a client's, and hurts nobody else. */
static void garbage_ends_the_connection(void **state)
{
    int fd = dial_raw();
    SAY(fd, "GET / HTTP/1.1\r\n\r\n");
    assert_string_equal(heard(fd, 'Z', 1), ".");
    close(fd);
    fd = dial_hand();
    SAY(fd, "\7\7\7\7\7\7");
    assert_string_equal(heard(fd, 'Z', 1), "E08P01 .");
    close(fd);
    fd = dial_hand();
    SAY(fd, "Q\x7f\xff\xff\xff");
    assert_string_equal(heard(fd, 'Z', 1), "E08P01 .");
    close(fd);
    fd = dial_raw();
    SAY(fd, "\0\0\x40");
    close(fd);
    PGconn *c = dial();
    ASK(c, "select 1", "1;");
    PQfinish(c);
}

/* An answer does not wait for the statements that were sent along with it. */
static void answers_go_at_once(void **state)
{
    int fd = dial_hand();
    uint64_t start = clock_ms();
    SAY(fd, "Q\0\0\0\x0dselect 1\0Q\0\0\0\x17select pg_sleep(1)\0");
    assert_string_equal(heard(fd, 'Z', 1), "TDC(SELECT 1)ZI");
    assert_true(clock_ms() - start < 900);
    assert_string_equal(heard(fd, 'Z', 1), "TDC(SELECT 1)ZI");
    assert_true(clock_ms() - start >= 1000);
    close(fd);
}

/* After an error nothing counts until the Sync, a Query neither (JDBC sends SAVEPOINT so). */
static void errors_skip_queries(void **state)
{
    int fd = dial_hand();
    SAY(fd, "B\0\0\0\x10\0nope\0\0\0\0\0\0\0Q\0\0\0\x0dselect 1\0S\0\0\0\4");
    assert_string_equal(heard(fd, 'Z', 1), "E26000 ZI");
    SAY(fd, "Q\0\0\0\x0dselect 1\0");
    assert_string_equal(heard(fd, 'Z', 1), "TDC(SELECT 1)ZI");
    close(fd);
}

/* One client too many is told so; when one leaves there is room again. */
static void connections_are_limited(void **state)
{
    PGconn *all[20];
    for (int i = 0; i < 20; i++)
        all[i] = dial();
    PGconn *more = dial_with("");
    assert_int_equal(PQstatus(more), CONNECTION_BAD);
    assert_non_null(strstr(PQerrorMessage(more), "too many clients"));
    PQfinish(more);
    PQfinish(all[0]);
    for (int i = 0; i < 100; i++) {
        struct gateway_counts n;
        gateway_get_counts(the.gateway, &n);
        if (n.clients < 20)
            break;
        sleep_ms(10);
    }
    all[0] = dial();
    for (int i = 0; i < 20; i++)
        PQfinish(all[i]);
}

/* ---- simple queries ----------------------------------------------------------------------- */

/* Rows, tags, the empty query, errors with a position in the text that was sent. */
static void simple_queries_answer(void **state)
{
    PGconn *c = dial();
    fresh_table(c, "a int primary key, b text");
    ASK(c, "insert into t values (1, 'x'), (2, null)", "INSERT 0 2");
    ASK(c, "select * from t order by a", "1|x;2|~;");
    ASK(c, "update t set b = 'y' where a = 2", "UPDATE 1");
    ASK(c, "select b from t where a = 2", "y;");
    ASK(c, "  ", "");
    PGresult *r = PQexec(c, "select a, nosuch from t where b = 'z'");
    assert_string_equal(PQresultErrorField(r, PG_DIAG_SQLSTATE), "42703");
    assert_string_equal(PQresultErrorField(r, PG_DIAG_STATEMENT_POSITION), "11");
    PQclear(r);
    r = PQexec(c, "select * from t where b = '\xc3\xa9' and a = 'one'");
    assert_string_equal(PQresultErrorField(r, PG_DIAG_SQLSTATE), "22P02");
    assert_string_equal(PQresultErrorField(r, PG_DIAG_STATEMENT_POSITION), "39");
    PQclear(r);
    ASK(c, "select '\xff'", "22021");
    PQfinish(c);
}

/* A text that looks like the cache's key of another is parsed as what it is. */
static void cache_keys_are_no_back_door(void **state)
{
    PGconn *c = dial();
    ASK(c, "select 12345", "12345;");
    ASK(c, "i select $1", "42601");
    ASK(c, "select $1", "42P02");
    PQfinish(c);
}

/* Several statements in one query are one transaction: an error undoes what came before. */
static void several_statements_are_atomic(void **state)
{
    PGconn *c = dial();
    fresh_table(c, "a int primary key");
    ASK(c, "insert into t values (1); insert into t values (1)", "23505");
    ASK(c, "select count(*) from t", "0;");
    ASK(c, "insert into t values (1); insert into t values (2)", "INSERT 0 1");
    ASK(c, "select count(*) from t", "2;");
    ASK(c, "insert into t values (3); commit; insert into t values (3)", "23505");
    ASK(c, "select count(*) from t", "3;");
    PQfinish(c);
}

/* ---- transactions ------------------------------------------------------------------------- */

/* After an error everything is refused until the end of the transaction, and COMMIT says ROLLBACK.
 */
static void failed_transactions_refuse(void **state)
{
    PGconn *c = dial();
    fresh_table(c, "a int primary key");
    ASK(c, "begin", "BEGIN");
    ASK(c, "insert into t values (1)", "INSERT 0 1");
    ASK(c, "select 1/0", "22012");
    assert_int_equal(PQtransactionStatus(c), PQTRANS_INERROR);
    ASK(c, "select 1", "25P02");
    ASK(c, "nonsense", "42601");
    ASK(c, "commit", "ROLLBACK");
    assert_int_equal(PQtransactionStatus(c), PQTRANS_IDLE);
    ASK(c, "select count(*) from t", "0;");
    PQfinish(c);
}

/* ROLLBACK TO brings a failed transaction back; what came before the savepoint stays. */
static void savepoints_work(void **state)
{
    PGconn *c = dial();
    fresh_table(c, "a int primary key");
    ASK(c, "savepoint s", "25P01");
    ASK(c, "begin", "BEGIN");
    ASK(c, "insert into t values (1)", "INSERT 0 1");
    ASK(c, "savepoint s", "SAVEPOINT");
    ASK(c, "insert into t values (1)", "23505");
    ASK(c, "rollback to nosuch", "3B001");
    ASK(c, "rollback to s", "ROLLBACK");
    ASK(c, "insert into t values (2)", "INSERT 0 1");
    ASK(c, "commit", "COMMIT");
    ASK(c, "select * from t", "1;2;");
    PQfinish(c);
}

/* SET in a transaction that rolls back did not happen; SET LOCAL ends with it either way. */
static void settings_follow_transactions(void **state)
{
    PGconn *c = dial();
    ASK(c, "set work_mem = '8MB'", "SET");
    ASK(c, "begin", "BEGIN");
    ASK(c, "set work_mem = '16MB'", "SET");
    ASK(c, "rollback", "ROLLBACK");
    ASK(c, "show work_mem", "8MB;");
    ASK(c, "begin", "BEGIN");
    ASK(c, "set local work_mem = '32MB'", "SET");
    ASK(c, "show work_mem", "32MB;");
    ASK(c, "commit", "COMMIT");
    ASK(c, "show work_mem", "8MB;");
    ASK(c, "set nosuch = 1", "42704");
    ASK(c, "set statement_timeout = 'soon'", "22023");
    ASK(c, "set server_version = '9'", "55P02");
    PQfinish(c);
}

/* ---- extended queries --------------------------------------------------------------------- */

/* Parameters and results in both formats, types as inferred. */
static void parameters_in_both_formats(void **state)
{
    PGconn *c = dial();
    fresh_table(c, "a int primary key, b text");
    const char *text[] = {"7", "seven"};
    assert_string_equal(
        shown(PQexecParams(c, "insert into t values ($1, $2)", 2, NULL, text, NULL, NULL, 0)),
        "INSERT 0 1");
    static const char seven[] = {0, 0, 0, 7};
    const char *binary[] = {seven};
    PGresult *r = PQexecParams(c, "select a, b from t where a = $1", 1, NULL, binary, (int[]){4},
                               (int[]){1}, 1);
    assert_int_equal(PQntuples(r), 1);
    assert_int_equal(PQgetlength(r, 0, 0), 4);
    assert_memory_equal(PQgetvalue(r, 0, 0), seven, 4);
    assert_string_equal(PQgetvalue(r, 0, 1), "seven");
    PQclear(r);
    const char *bad[] = {"x"};
    assert_string_equal(
        shown(PQexecParams(c, "select a from t where a = $1", 1, NULL, bad, NULL, NULL, 0)),
        "22P02");
    PQfinish(c);
}

/* Who speaks another encoding sends and gets it in all messages and both formats; a character that
 * it has not is an error in a row, and a question mark in a message. */
static void another_encoding_is_spoken(void **state)
{
    PGconn *c = dial_with("client_encoding=LATIN1");
    assert_string_equal(PQparameterStatus(c, "client_encoding"), "LATIN1");
    fresh_table(c, "a int primary key, b text");
    const char *values[] = {"\xe9", "\xfc"};
    for (int binary = 0; binary < 2; binary++) {
        PGresult *r = PQexecParams(c, "select $1::text, length($2), '\xf1' as \"\xe4\"", 2,
                                   (const Oid[]){25, 25}, values, (const int[]){1, 1},
                                   (const int[]){binary, binary}, binary);
        assert_string_equal(PQfname(r, 2), "\xe4");
        assert_int_equal(PQgetlength(r, 0, 0), 1);
        assert_string_equal(PQgetvalue(r, 0, 0), "\xe9");
        assert_string_equal(PQgetvalue(r, 0, 2), "\xf1");
        PQclear(r);
    }
    PQclear(PQprepare(c, "\xe9", "insert into t values ($1, '\xe9')", 0, NULL));
    assert_string_equal(shown(PQexecPrepared(c, "\xe9", 1, (const char *[]){"1"}, NULL, NULL, 0)),
                        "INSERT 0 1");
    ASK(c, "select b, encode(convert_to(b, 'UTF8'), 'hex') from t", "\xe9|c3a9;");
    ASK(c, "insert into t values (2, chr(8364)) returning b", "22P05");
    ASK(c, "copy (insert into t values (2, chr(8364)) returning b) to stdout", "");
    while (PQgetCopyData(c, &(char *){NULL}, 0) >= 0)
        fail();
    assert_string_equal(shown(PQgetResult(c)), "22P05");
    assert_null(PQgetResult(c));
    assert_string_equal(shown(PQexecParams(c, "insert into t values (2, chr(8364)) returning b", 0,
                                           NULL, NULL, NULL, NULL, 1)),
                        "22P05");
    ASK(c, "insert into t values (3, 'x') returning b", "x;");
    ASK(c, "delete from t where a = 3", "DELETE 1");
    ASK(c, "select count(*) from t", "1;");
    PGresult *r = PQexec(c, "select '\xe9' || chr(8364)::int");
    assert_non_null(strstr(PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY), "\"?\""));
    PQclear(r);
    r = PQexecParams(c, "select array['\xe9'], 1", 0, NULL, NULL, NULL, NULL, 1);
    assert_int_equal(PQgetlength(r, 0, 0), 25);
    assert_memory_equal(PQgetvalue(r, 0, 0) + 20, "\0\0\0\1\xe9", 5);
    PQclear(r);
    static const char torn[25] = {[3] = 1, [11] = 25, [15] = 1, [19] = 1, [23] = 9, [24] = '\xe9'};
    r = PQexecParams(c, "select $1::text[]", 1, (const Oid[]){1009}, (const char *[]){torn},
                     (const int[]){25}, (const int[]){1}, 1);
    assert_string_equal(shown(r), "22P03");
    ASK(c, "set client_encoding = win1252", "SET");
    assert_string_equal(PQparameterStatus(c, "client_encoding"), "WIN1252");
    ASK(c, "select chr(8364)", "\x80;");
    ASK(c, "select '\x81'", "22P05");
    ASK(c, "set client_encoding = gbk", "SET");
    ASK(c, "copy t from stdin", "");
    assert_int_equal(PQputCopyData(c, "7\t\xc4", 3), 1); /* half a character */
    assert_int_equal(PQputCopyData(c, "\xe3", 1), 1);
    assert_int_equal(PQputCopyData(c, "\n8\tx", 4), 1);
    assert_int_equal(PQputCopyEnd(c, NULL), 1);
    assert_string_equal(shown(PQgetResult(c)), "COPY 2");
    assert_null(PQgetResult(c));
    ASK(c, "select b, length(b) from t where a = 7", "\xc4\xe3|1;");
    ASK(c, "copy t from stdin", "");
    assert_int_equal(PQputCopyData(c, "9\t\xc4", 3), 1);
    assert_int_equal(PQputCopyEnd(c, NULL), 1);
    assert_string_equal(shown(PQgetResult(c)), "22021");
    assert_null(PQgetResult(c));
    ASK(c, "set client_encoding = euc_jp", "SET");
    ASK(c, "copy t from stdin", "");
    const char *pieces[] = {"10\t\x8f", "\xb0", "\xa1\x8e", "\xb1\n"};
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        assert_int_equal(PQputCopyData(c, pieces[i], (int)strlen(pieces[i])), 1);
    assert_int_equal(PQputCopyEnd(c, NULL), 1);
    assert_string_equal(shown(PQgetResult(c)), "COPY 1");
    assert_null(PQgetResult(c));
    ASK(c, "select b, length(b) from t where a = 10", "\x8f\xb0\xa1\x8e\xb1|2;");
    ASK(c, "set client_encoding = win1252", "SET");
    assert_string_equal(
        shown(PQexecParams(c, "select $1::text", 1, NULL, (const char *[]){"\x81"}, NULL, NULL, 0)),
        "22P05");
    ASK(c, "select 1", "1;");
    PQfinish(c);
}

/* Describe tells parameter and result types; names that don't exist and names that do are errors.
 */
static void statements_are_described(void **state)
{
    PGconn *c = dial();
    fresh_table(c, "a int primary key, b varchar(5)");
    PQclear(PQprepare(c, "p", "select b, a + 1 as next from t where a = $1", 0, NULL));
    PGresult *r = PQdescribePrepared(c, "p");
    assert_int_equal(PQnparams(r), 1);
    assert_int_equal(PQparamtype(r, 0), OID_INT4);
    assert_string_equal(PQfname(r, 1), "next");
    assert_int_equal(PQftype(r, 0), OID_VARCHAR);
    assert_int_equal(PQfmod(r, 0), 9);
    PQclear(r);
    assert_string_equal(shown(PQprepare(c, "p", "select 1", 0, NULL)), "42P05");
    assert_string_equal(shown(PQexecPrepared(c, "q", 0, NULL, NULL, NULL, 0)), "26000");
    assert_string_equal(shown(PQprepare(c, "m", "select 1; select 2", 0, NULL)), "42601");
    ASK(c, "deallocate p", "DEALLOCATE");
    assert_string_equal(shown(PQdescribePrepared(c, "p")), "26000");
    PQfinish(c);
}

/* After an error in a pipeline everything is skipped up to Sync, and answered after it. */
static void errors_skip_to_sync(void **state)
{
    int fd = dial_hand();
    struct buf b = {0};
    MESSAGE(&b, 'P', "\0select 1/0\0\0\0");
    MESSAGE(&b, 'B', "\0\0\0\0\0\0\0\0");
    MESSAGE(&b, 'E', "\0\0\0\0\0");
    MESSAGE(&b, 'P', "\0select 2\0\0\0");
    MESSAGE(&b, 'S', "");
    MESSAGE(&b, 'P', "\0select 3\0\0\0");
    MESSAGE(&b, 'B', "\0\0\0\0\0\0\0\0");
    MESSAGE(&b, 'E', "\0\0\0\0\0");
    MESSAGE(&b, 'S', "");
    say(fd, b.data, b.len);
    buf_done(&b);
    assert_string_equal(heard(fd, 'Z', 2), "12E22012 ZI12DC(SELECT 1)ZI");
    close(fd);
}

/* Messages that come byte by byte are the same messages. */
static void messages_may_come_in_pieces(void **state)
{
    int fd = dial_hand();
    struct buf b = {0};
    MESSAGE(&b, 'Q', "select 5\0");
    for (size_t i = 0; i < b.len; i++) {
        say(fd, b.data + i, 1);
        sleep_ms(i % 4 == 0 ? 15 : 0); /* some of them while the session is parked */
    }
    buf_done(&b);
    assert_string_equal(heard(fd, 'Z', 1), "TDC(SELECT 1)ZI");
    close(fd);
}

/* Execute with a limit gives that many rows, and goes on where it stopped. */
static void rows_in_portions(void **state)
{
    int fd = dial_hand();
    struct buf b = {0};
    MESSAGE(&b, 'P', "\0select * from generate_series(1, 5)\0\0\0");
    MESSAGE(&b, 'B', "\0\0\0\0\0\0\0\0");
    MESSAGE(&b, 'E', "\0\0\0\0\2");
    MESSAGE(&b, 'E', "\0\0\0\0\2");
    MESSAGE(&b, 'E', "\0\0\0\0\2");
    MESSAGE(&b, 'E', "\0\0\0\0\2");
    MESSAGE(&b, 'S', "");
    MESSAGE(&b, 'E', "\0\0\0\0\2");
    MESSAGE(&b, 'S', "");
    say(fd, b.data, b.len);
    buf_done(&b);
    assert_string_equal(heard(fd, 'Z', 2), "12DDsDDsDC(SELECT 1)C(SELECT 0)ZIE34000 ZI");
    close(fd);
}

/* What a client leaves for later may be more than fits into memory: all of it comes, in order. */
static void many_rows_in_portions(void **state)
{
    enum { ALL = 100000 };
    int fd = dial_hand();
    struct buf b = {0};
    MESSAGE(&b, 'P',
            "\0select i, 'some text to make it longer' from generate_series(1, 100000) i\0\0\0");
    MESSAGE(&b, 'B', "\0\0\0\0\0\0\0\0");
    MESSAGE(&b, 'E', "\0\0\0\0\7");
    MESSAGE(&b, 'E', "\0\0\0\0\0");
    MESSAGE(&b, 'S', "");
    say(fd, b.data, b.len);
    buf_done(&b);
    int rows = 0, suspended = 0;
    for (char type = 0; type != 'Z';) {
        unsigned char head[5], body[256];
        assert_int_equal(recv(fd, head, 5, MSG_WAITALL), 5);
        size_t len = ((size_t)head[3] << 8 | head[4]) - 4;
        assert_true(len < sizeof(body));
        assert_true(len == 0 || recv(fd, body, len, MSG_WAITALL) == (ssize_t)len);
        type = (char)head[0];
        suspended += type == 's';
        if (type == 'D') {
            body[6 + body[5]] = 0;
            assert_int_equal(atoi((char *)body + 6), ++rows);
            assert_int_equal(suspended, rows > 7);
        }
    }
    assert_int_equal(rows, ALL);
    close(fd);
}

/* All writes before one Sync are one transaction. */
static void pipelines_are_atomic(void **state)
{
    PGconn *c = dial();
    fresh_table(c, "a int primary key");
    int fd = dial_hand();
    struct buf b = {0};
    for (int i = 0; i < 2; i++) {
        MESSAGE(&b, 'P', "\0insert into t values (1)\0\0\0");
        MESSAGE(&b, 'B', "\0\0\0\0\0\0\0\0");
        MESSAGE(&b, 'E', "\0\0\0\0\0");
    }
    MESSAGE(&b, 'S', "");
    say(fd, b.data, b.len);
    assert_string_equal(heard(fd, 'Z', 1), "12C(INSERT 0 1)12E23505 ZI");
    ASK(c, "select count(*) from t", "0;");
    buf_done(&b);
    close(fd);
    PQfinish(c);
}

/* A statement outlives a change of its table, unless its result is another one now. */
static void plans_follow_the_schema(void **state)
{
    PGconn *c = dial(), *other = dial();
    fresh_table(c, "a int primary key");
    PQclear(PQprepare(c, "p", "select * from t", 0, NULL));
    PQclear(PQprepare(c, "n", "select count(*) from t", 0, NULL));
    ASK(c, "select * from t", "");
    ASK(c, "insert into t values (1)", "INSERT 0 1");
    ASK(other, "drop table t", "DROP TABLE");
    assert_string_equal(shown(PQexecPrepared(c, "p", 0, NULL, NULL, NULL, 0)), "42P01");
    ASK(other, "create table t (a int primary key, b int)", "CREATE TABLE");
    ASK(c, "select * from t", "");
    ASK(c, "insert into t values (1, 2)", "INSERT 0 1");
    assert_string_equal(shown(PQexecPrepared(c, "n", 0, NULL, NULL, NULL, 0)), "1;");
    PGresult *r = PQexecPrepared(c, "p", 0, NULL, NULL, NULL, 0);
    assert_non_null(strstr(PQresultErrorMessage(r), "cached plan must not change result type"));
    assert_string_equal(PQresultErrorField(r, PG_DIAG_SOURCE_FUNCTION), "RevalidateCachedQuery");
    assert_string_equal(shown(r), "0A000");
    r = PQexec(c, "insert into t values (3, 'x'::text)");
    assert_string_equal(PQresultErrorField(r, PG_DIAG_SOURCE_FUNCTION), "transformAssignedExpr");
    assert_string_equal(shown(r), "42804");
    r = PQexecPrepared(c, "nope", 0, NULL, NULL, NULL, 0);
    assert_string_equal(PQresultErrorField(r, PG_DIAG_SOURCE_FUNCTION), "FetchPreparedStatement");
    assert_string_equal(shown(r), "26000");
    ASK(c, "select * from t", "1|2;");
    PQfinish(c);
    PQfinish(other);
}

/* SQL's own PREPARE and EXECUTE. */
static void prepare_as_a_statement(void **state)
{
    PGconn *c = dial();
    fresh_table(c, "a int primary key, b text");
    ASK(c, "insert into t values (1, 'x')", "INSERT 0 1");
    ASK(c, "prepare p (int) as select b from t where a = $1", "PREPARE");
    ASK(c, "execute p (1)", "x;");
    ASK(c, "execute p ('1')", "x;");
    ASK(c, "execute p (1, 2)", "42601");
    ASK(c, "execute nosuch", "26000");
    ASK(c, "discard all", "DISCARD ALL");
    ASK(c, "execute p (1)", "26000");
    PQfinish(c);
}

/* ---- COPY --------------------------------------------------------------------------------- */

static const char *copy_in(PGconn *c, const char *sql, const char *data, size_t len)
{
    PGresult *r = PQexec(c, sql);
    if (PQresultStatus(r) != PGRES_COPY_IN)
        return shown(r);
    PQclear(r);
    for (size_t i = 0; i < len; i += 5)
        assert_int_equal(PQputCopyData(c, data + i, (int)MIN((size_t)5, len - i)), 1);
    assert_int_equal(PQputCopyEnd(c, NULL), 1);
    static char text[512];
    r = PQgetResult(c);
    const char *where = PQresultErrorField(r, PG_DIAG_CONTEXT);
    snprintf(text, sizeof(text), "%s", where ? where : "");
    const char *answer = shown(r);
    PQclear(PQgetResult(c));
    if (*text)
        return text;
    return answer;
}
#define COPY_IN(c, sql, data, want)                                                                \
    assert_string_equal(copy_in(c, sql, data, sizeof(data) - 1), want)

static const char *copy_out(PGconn *c, const char *sql)
{
    static struct buf b;
    buf_clear(&b);
    PGresult *r = PQexec(c, sql);
    assert_int_equal(PQresultStatus(r), PGRES_COPY_OUT);
    PQclear(r);
    char *line;
    for (int n; (n = PQgetCopyData(c, &line, 0)) > 0; PQfreemem(line))
        buf_append(&b, line, (size_t)n);
    PQclear(PQgetResult(c));
    PQclear(PQgetResult(c));
    return b.data;
}

/* Rows go in and come out, in text and csv. */
static void copy_both_ways(void **state)
{
    PGconn *c = dial();
    fresh_table(c, "a int primary key, b text");
    COPY_IN(c, "copy t from stdin", "1\tx\\ty\n2\t\\N\n\\.\n", "COPY 2");
    COPY_IN(c, "copy t (b, a) from stdin csv header", "b,a\n\"q\"\"r\",3\n,4\n", "COPY 2");
    assert_string_equal(copy_out(c, "copy t to stdout"), "1\tx\\ty\n2\t\\N\n3\tq\"r\n4\t\\N\n");
    assert_string_equal(copy_out(c, "copy (select b, a from t where a > 2) to stdout csv header"),
                        "b,a\n\"q\"\"r\",3\n,4\n");
    PQfinish(c);
}

/* An error says in which line and column it is; nothing of the COPY stays, and the session goes on.
 */
static void copy_errors_say_where(void **state)
{
    PGconn *c = dial();
    fresh_table(c, "a int primary key, b text");
    COPY_IN(c, "copy t from stdin", "1\tx\n2x\ty\n", "COPY t, line 2, column a: \"2x\"");
    COPY_IN(c, "copy t from stdin", "1\tx\n2\n", "COPY t, line 2: \"2\"");
    COPY_IN(c, "copy t from stdin", "1\tx\n2\ty\tz\n", "COPY t, line 2: \"2\ty\tz\"");
    ASK(c, "select count(*) from t", "0;");
    PQclear(PQexec(c, "copy t from stdin"));
    PQputCopyEnd(c, "no more");
    assert_string_equal(shown(PQgetResult(c)), "57014");
    PQclear(PQgetResult(c));
    ASK(c, "select 1", "1;");
    PQfinish(c);
}

/* ---- stopping things ---------------------------------------------------------------------- */

static const char slow[] = "select count(*) from generate_series(1, 2000000000)";

static void *cancel_later(void *arg)
{
    sleep_ms(200);
    PGcancel *cancel = PQgetCancel(arg);
    char text[256];
    PQcancel(cancel, text, sizeof(text));
    PQfreeCancel(cancel);
    return NULL;
}

/* CancelRequest ends a running statement, and the session lives on. */
static void statements_can_be_cancelled(void **state)
{
    PGconn *c = dial();
    pthread_t thread;
    pthread_create(&thread, NULL, cancel_later, c);
    PGresult *r = PQexec(c, slow);
    pthread_join(thread, NULL);
    assert_non_null(strstr(PQresultErrorMessage(r), "canceling statement due to user request"));
    assert_string_equal(shown(r), "57014");
    ASK(c, "select 1", "1;");
    PQfinish(c);
}

/* So does statement_timeout. */
static void statements_time_out(void **state)
{
    PGconn *c = dial();
    ASK(c, "set statement_timeout = '100ms'", "SET");
    PGresult *r = PQexec(c, slow);
    assert_non_null(
        strstr(PQresultErrorMessage(r), "canceling statement due to statement timeout"));
    assert_string_equal(shown(r), "57014");
    ASK(c, "select 1", "1;");
    PQfinish(c);
}

/* A transaction that idles too long is ended, and gives its locks back. */
static void idle_transactions_time_out(void **state)
{
    PGconn *c = dial(), *other = dial();
    fresh_table(c, "a int primary key");
    ASK(c, "set idle_in_transaction_session_timeout = '100ms'", "SET");
    ASK(c, "begin", "BEGIN");
    ASK(c, "insert into t values (1)", "INSERT 0 1");
    ASK(other, "insert into t values (1)", "INSERT 0 1");
    PGresult *r = PQexec(c, "select 1");
    assert_int_equal(PQstatus(c), CONNECTION_BAD);
    PQclear(r);
    PQfinish(c);
    PQfinish(other);
}

/* A client that vanishes in a transaction leaves nothing behind. */
static void lost_clients_roll_back(void **state)
{
    PGconn *c = dial(), *other = dial();
    fresh_table(c, "a int primary key");
    ASK(c, "begin", "BEGIN");
    ASK(c, "insert into t values (1)", "INSERT 0 1");
    shutdown(PQsocket(c), SHUT_RDWR);
    ASK(other, "insert into t values (1)", "INSERT 0 1");
    ASK(other, "select count(*) from t", "1;");
    PQfinish(c);
    PQfinish(other);
}

/* Only this machine's servers may open internal sessions, and what they say wrong is an error, not
 * a crash. */
static void internal_sessions_are_careful(void **state)
{
    PGconn *c = dial_with("options='-c minisql.internal=s9'");
    assert_int_equal(PQstatus(c), CONNECTION_OK);
    ASK(c, "select 1", "08P01");
    ASK(c, "SNAPSHOT x", "08P01");
    ASK(c, "BEGIN 999999 1", "08P01");
    ASK(c, "BEGIN 999999 1 1 1 1 s9", "08P01");
    ASK(c, "BEGIN 999999 1 1 1 1 0 0 s9", "MS001");
    ASK(c, "PREPARE 1", "08P01");
    ASK(c, "DECIDE 999999 1 1 1 1", "MS001");
    ASK(c, "OUTCOME 999999 1 1 1", "08P01");
    ASK(c, "PREPARED 999999", "MS001");
    ASK(c, "OWNER 999999", "MS001");
    ASK(c, "WAITS 1", "08P01");
    assert_int_equal(PQstatus(c), CONNECTION_OK);
    PQfinish(c);
}

/* ---- many --------------------------------------------------------------------------------- */

static void *worker(void *arg)
{
    PGconn *c = dial();
    for (int i = 0; i < 50; i++) {
        char sql[64];
        snprintf(sql, sizeof(sql), "insert into t values (%d)", (int)(intptr_t)arg * 1000 + i);
        PQclear(PQexec(c, sql));
    }
    PQfinish(c);
    return NULL;
}

/* Clients side by side: every acknowledged row is there once. */
static void clients_side_by_side(void **state)
{
    PGconn *c = dial();
    fresh_table(c, "a int primary key");
    pthread_t threads[8];
    for (intptr_t i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, worker, (void *)i);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    ASK(c, "select count(*), count(distinct a) from t", "400|400;");
    PQfinish(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_begins),
        cmocka_unit_test(bad_startups_are_refused),
        cmocka_unit_test(encryption_is_declined),
        cmocka_unit_test(garbage_ends_the_connection),
        cmocka_unit_test(answers_go_at_once),
        cmocka_unit_test(errors_skip_queries),
        cmocka_unit_test(connections_are_limited),
        cmocka_unit_test(simple_queries_answer),
        cmocka_unit_test(cache_keys_are_no_back_door),
        cmocka_unit_test(several_statements_are_atomic),
        cmocka_unit_test(failed_transactions_refuse),
        cmocka_unit_test(savepoints_work),
        cmocka_unit_test(settings_follow_transactions),
        cmocka_unit_test(parameters_in_both_formats),
        cmocka_unit_test(another_encoding_is_spoken),
        cmocka_unit_test(statements_are_described),
        cmocka_unit_test(errors_skip_to_sync),
        cmocka_unit_test(messages_may_come_in_pieces),
        cmocka_unit_test(rows_in_portions),
        cmocka_unit_test(many_rows_in_portions),
        cmocka_unit_test(pipelines_are_atomic),
        cmocka_unit_test(plans_follow_the_schema),
        cmocka_unit_test(prepare_as_a_statement),
        cmocka_unit_test(copy_both_ways),
        cmocka_unit_test(copy_errors_say_where),
        cmocka_unit_test(statements_can_be_cancelled),
        cmocka_unit_test(statements_time_out),
        cmocka_unit_test(idle_transactions_time_out),
        cmocka_unit_test(lost_clients_roll_back),
        cmocka_unit_test(internal_sessions_are_careful),
        cmocka_unit_test(clients_side_by_side),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
