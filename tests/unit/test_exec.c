/*
 * exec: one server over the embedded store. Statements go through it as a gateway would send them;
 * a second `struct exec` without regions of its own reaches the first one over libpq and a small
 * listener, so that forwarding is tested with real sockets.
 */
#include "exec/exec_int.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void ok(struct error *e)
{
    if (e)
        print_error("%s: %s (%s; %s)\n", e->sqlstate, e->message, e->detail ? e->detail : "",
                    e->hint ? e->hint : "");
    assert_null(e);
}

static void fails(struct error *e, const char *sqlstate)
{
    assert_non_null(e);
    if (strcmp(e->sqlstate, sqlstate) != 0)
        print_error("%s: %s\n", e->sqlstate, e->message);
    assert_string_equal(e->sqlstate, sqlstate);
    error_free(e);
}

/* ---- a listener for internal sessions ------------------------------------------------------- */

struct listener {
    int fd, port;
    pthread_t thread;
    struct exec *exec;
    _Atomic bool stop;
    _Atomic int open;
    _Atomic int die_after; /* statements until connections are cut; 0: never */
    _Atomic bool mute;     /* statements are run, and connections cut instead of an answer */
};

struct conn {
    struct listener *l;
    struct exec_session *s;
    int fd;
    struct buf out, last;
    char *text;
};

static bool read_all(int fd, void *p, size_t n)
{
    for (size_t got = 0; got < n;) {
        ssize_t k = read(fd, (char *)p + got, n - got);
        if (k <= 0)
            return false;
        got += (size_t)k;
    }
    return true;
}

static bool read_frame(struct conn *c, bool typed, char *type, struct buf *body)
{
    uint32_t len;
    *type = 0;
    if ((typed && !read_all(c->fd, type, 1)) || !read_all(c->fd, &len, 4))
        return false;
    len = ntohl(len) - 4;
    buf_clear(body);
    buf_reserve(body, len + 1);
    body->len = len;
    return read_all(c->fd, body->data, len);
}

static void put_frame(struct conn *c, char type, const void *body, size_t len)
{
    buf_put8(&c->out, (uint8_t)type);
    buf_put32(&c->out, (uint32_t)len + 4);
    buf_append(&c->out, body, len);
}

static bool flush_out(struct conn *c)
{
    size_t sent = 0;
    while (sent < c->out.len) {
        ssize_t k = send(c->fd, c->out.data + sent, c->out.len - sent, MSG_NOSIGNAL);
        if (k <= 0)
            return false;
        sent += (size_t)k;
    }
    buf_clear(&c->out);
    return true;
}

static struct error *wire_out(void *ctx)
{
    put_frame(ctx, 'H', "\1\0\0", 3);
    return NULL;
}

static struct error *wire_data(void *ctx, const void *data, size_t len)
{
    struct conn *c = ctx;
    put_frame(c, 'd', data, len);
    return flush_out(c) ? NULL : error_new(E_CONNECTION, "lost");
}

static struct error *wire_in(void *ctx)
{
    struct conn *c = ctx;
    put_frame(c, 'G', "\1\0\0", 3);
    return flush_out(c) ? NULL : error_new(E_CONNECTION, "lost");
}

static struct error *wire_receive(void *ctx, const char **ret, size_t *ret_len, bool *ret_end)
{
    struct conn *c = ctx;
    char type;
    do
        if (!read_frame(c, true, &type, &c->last))
            return error_new(E_CONNECTION, "lost");
    while (type == 'S' || type == 'H');
    if (type == 'f')
        return error_new(E_CANCELED, "broken off");
    *ret = c->last.data;
    *ret_len = c->last.len;
    *ret_end = type == 'c';
    return NULL;
}

static void put_error(struct conn *c, struct error *e)
{
    struct buf b = {0};
    const char *fields[] = {"S", "ERROR",   "C", e->sqlstate, "M", e->message,
                            "D", e->detail, "H", e->hint,     "n", e->constraint};
    for (size_t i = 0; i < ARRAY_LEN(fields); i += 2)
        if (fields[i + 1]) {
            buf_append(&b, fields[i], 1);
            buf_append(&b, fields[i + 1], strlen(fields[i + 1]) + 1);
        }
    buf_put8(&b, 0);
    put_frame(c, 'E', b.data, b.len);
    buf_done(&b);
    error_free(e);
}

static bool run_internal(struct conn *c, const char *text, const char *args, size_t n)
{
    const struct exec_wire wire = {.ctx = c,
                                   .copy_out = wire_out,
                                   .data = wire_data,
                                   .copy_in = wire_in,
                                   .receive = wire_receive};
    char tag[64] = "";
    if (c->l->die_after > 0 && atomic_fetch_sub(&c->l->die_after, 1) == 1)
        return false;
    size_t before = c->out.len;
    struct error *e = exec_internal(c->s, text, strlen(text), args, n, &wire, tag);
    if (c->l->mute) {
        error_free(e);
        return false;
    }
    if (e) {
        put_error(c, e);
        return true;
    }
    if (c->out.len != before || strcmp(tag, "RUN") == 0 || strcmp(tag, "FRAG") == 0)
        put_frame(c, 'c', "", 0);
    put_frame(c, 'C', tag, strlen(tag) + 1);
    return true;
}

/* Prepared statements by name; the values are texts. */
static bool serve_message(struct conn *c, char type, const struct buf *in, struct map *stmts,
                          struct buf *args, char **bound)
{
    const char *p = in->data;
    switch (type) {
    case 'Q':
        if (!run_internal(c, p, NULL, 0))
            return false;
        put_frame(c, 'Z', "I", 1);
        return flush_out(c);
    case 'P':
        mem_free(map_put_str(stmts, p, mem_strdup(p + strlen(p) + 1)));
        put_frame(c, '1', "", 0);
        return true;
    case 'B':
        p += strlen(p) + 1; /* portal */
        *bound = map_get_str(stmts, p);
        p += strlen(p) + 1 + 4 + 2; /* name, one format, one value */
        uint32_t len;
        memcpy(&len, p, 4);
        buf_clear(args);
        buf_append(args, p + 4, ntohl(len));
        put_frame(c, '2', "", 0);
        return true;
    case 'D':
        put_frame(c, 'n', "", 0);
        return true;
    case 'E':
        return run_internal(c, *bound, args->data, args->len);
    case 'S':
        put_frame(c, 'Z', "I", 1);
        return flush_out(c);
    default:
        return type == 'd' || type == 'c' || type == 'f';
    }
}

static void *serve(void *ctx)
{
    struct conn *c = ctx;
    struct buf in = {0}, args = {0};
    struct map stmts = {0};
    char type, *bound = NULL;
    bool fine = read_frame(c, false, &type, &in);
    if (fine && in.len == 12) /* a cancel request: whoever runs now */
        fine = false;
    if (fine) {
        put_frame(c, 'R', "\0\0\0\0", 4);
        put_frame(c, 'Z', "I", 1);
        fine = flush_out(c);
    }
    c->s = exec_session_new(c->l->exec, &(struct exec_session_options){.internal = true});
    while (fine && read_frame(c, true, &type, &in) && type != 'X')
        fine = serve_message(c, type, &in, &stmts, &args, &bound);
    exec_session_free(c->s);
    void *text;
    for (size_t i = 0; map_next(&stmts, &i, &text);)
        mem_free(text);
    map_done(&stmts);
    buf_done(&in);
    buf_done(&args);
    buf_done(&c->out);
    buf_done(&c->last);
    close(c->fd);
    atomic_fetch_sub(&c->l->open, 1);
    mem_free(c);
    return NULL;
}

static void *listen_loop(void *ctx)
{
    struct listener *l = ctx;
    while (!l->stop) {
        struct pollfd p = {.fd = l->fd, .events = POLLIN};
        if (poll(&p, 1, 20) <= 0)
            continue;
        struct conn *c = NEW(struct conn);
        pthread_t t;
        c->l = l;
        c->fd = accept(l->fd, NULL, NULL);
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        atomic_fetch_add(&l->open, 1);
        if (pthread_create(&t, NULL, serve, c) == 0)
            pthread_detach(t);
    }
    return NULL;
}

static void listener_start(struct listener *l)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(l->fd, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(l->fd, 64), 0);
    assert_int_equal(getsockname(l->fd, (struct sockaddr *)&a, &n), 0);
    l->port = ntohs(a.sin_port);
}

/* ---- the fixture ---------------------------------------------------------------------------- */

struct fixture {
    char dir[64];
    struct coord *coord;
    struct catalog *catalog;
    struct regions *regions;
    struct exec *exec;      /* of s1, the primary of everything */
    struct exec *gateway;   /* of g1, without regions */
    struct exec_session *s; /* of the one that a test uses */
    struct listener listener;
};

static void became_master(void *ctx, bool is)
{
}

/* What the master does, as far as it is needed here: every table is a region of its own, on s1. */
static struct error *run_ddl(void *ctx, const struct query *q, const char *text)
{
    struct fixture *f = ctx;
    if (q->kind != QUERY_CREATE_TABLE)
        return error_new(E_UNSUPPORTED, "not in this test");
    uint64_t id, region_id;
    TRY(catalog_next_id(f->catalog, &id));
    TRY(catalog_next_id(f->catalog, &region_id));
    struct table t = *q->create_table.table;
    t.id = id;
    t.version = 1;
    const struct catalog_view *v = catalog_view(f->catalog);
    const struct table *with = q->create_table.colocate;
    struct region r = {
        .id = region_id, .epoch = 1, .schema_version = 1, .copies = 1, .primary = (char *)"s1"};
    t.region = with ? with->region : region_id;
    catalog_unref(v);
    return catalog_create_table(f->catalog, &t, with ? NULL : &r);
}

static int set_up(void **state)
{
    struct fixture *f = NEW(struct fixture);
    snprintf(f->dir, sizeof(f->dir), "/tmp/test-exec-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    listener_start(&f->listener);
    char address[40];
    snprintf(address, sizeof(address), "127.0.0.1:%d", f->listener.port);
    ok(coord_open("embedded", f->dir, &f->coord));
    ok(catalog_open(f->coord, 5000, &f->catalog));
    struct server self = {
        .name = (char *)"s1", .address = address, .region = true, .incarnation = 5};
    ok(catalog_register(f->catalog, &self));
    ok(catalog_campaign(f->catalog, "s1", became_master, NULL));
    for (int i = 0; i < 1000 && !catalog_is_master(f->catalog); i++)
        sleep_ms(5);
    struct regions_options ro = {.name = "s1", .dir = f->dir, .catalog = f->catalog};
    ok(regions_open(&ro, &f->regions));
    struct exec_options o = {.name = "s1",
                             .catalog = f->catalog,
                             .regions = f->regions,
                             .ddl = {.ctx = f, .run = run_ddl},
                             .settings = exec_defaults};
    ok(exec_open(&o, &f->exec));
    struct exec_options g = {.name = "g1", .catalog = f->catalog, .settings = exec_defaults};
    ok(exec_open(&g, &f->gateway));
    f->listener.exec = f->exec;
    assert_int_equal(pthread_create(&f->listener.thread, NULL, listen_loop, &f->listener), 0);
    f->s = exec_session_new(f->exec, &(struct exec_session_options){.user = "u", .pid = 4711});
    *state = f;
    return 0;
}

/* The same, with the session at the server that has no regions. */
static int set_up_remote(void **state)
{
    assert_int_equal(set_up(state), 0);
    struct fixture *f = *state;
    exec_session_free(f->s);
    f->s = exec_session_new(f->gateway, &(struct exec_session_options){.user = "u", .pid = 4711});
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    exec_session_free(f->s);
    exec_close(f->gateway);
    for (int i = 0; i < 1000 && f->listener.open > 0; i++)
        sleep_ms(5);
    assert_int_equal(f->listener.open, 0);
    f->listener.stop = true;
    pthread_join(f->listener.thread, NULL);
    close(f->listener.fd);
    exec_close(f->exec);
    regions_close(f->regions, 0);
    catalog_close(f->catalog);
    coord_close(f->coord);
    char command[100];
    snprintf(command, sizeof(command), "rm -rf %s", f->dir);
    assert_int_equal(system(command), 0);
    mem_free(f);
    return 0;
}

/* ---- statements ----------------------------------------------------------------------------- */

struct rows_text {
    struct buf buf;
    struct plan *plan;
    int resets;
};

static struct error *text_row(void *ctx, const struct value *values, int n)
{
    struct rows_text *t = ctx;
    assert_int_equal(n, t->plan->n_columns);
    for (int i = 0; i < n; i++) {
        buf_puts(&t->buf, i > 0 ? "|" : "");
        if (values[i].kind == VALUE_NULL)
            buf_puts(&t->buf, "null");
        else
            type_print(type_by_oid(t->plan->columns[i].type), &values[i],
                       t->plan->columns[i].typmod, &t->buf);
    }
    buf_puts(&t->buf, "\n");
    return NULL;
}

static bool text_reset(void *ctx)
{
    struct rows_text *t = ctx;
    buf_clear(&t->buf);
    t->resets++;
    return true;
}

static struct error *prepare(struct fixture *f, const char *sql, struct plan **ret)
{
    struct arena arena = {0};
    struct query *q;
    struct sql_context ctx = {.view = catalog_view(f->catalog)};
    ctx.extra = exec_system_tables(&ctx.n_extra);
    struct error *e = sql_analyse_text(sql, &ctx, &arena, &q);
    if (e) {
        arena_done(&arena);
        catalog_unref(ctx.view);
        return e;
    }
    return exec_prepare(f->s->exec, q, sql, strlen(sql), ctx.view, &arena, ret);
}

/* Runs a statement; what it gives goes to *ret (may be NULL), a line for each row. */
static struct error *run_with(struct fixture *f, const char *sql, const struct value *params,
                              int64_t *ret_rows, char **ret)
{
    struct exec_result result = {0};
    for (int i = 0;; i++) {
        struct rows_text t = {0};
        TRY(prepare(f, sql, &t.plan));
        const struct exec_sink sink = {.ctx = &t, .row = text_row, .reset = text_reset};
        struct error *e = exec_run(f->s, t.plan, params, &sink, &result);
        plan_unref(t.plan);
        if (!e && ret_rows)
            *ret_rows = result.rows;
        if (!e && ret)
            *ret = mem_strdup(t.buf.data ? t.buf.data : "");
        buf_done(&t.buf);
        if (!error_is(e, E_STALE_SCHEMA) || i == 10)
            return e;
        error_free(e);
    }
}

static void run(struct fixture *f, const char *sql)
{
    struct error *e = run_with(f, sql, NULL, NULL, NULL);
    if (e)
        print_error("%s\n", sql);
    ok(e);
}

static int64_t affected(struct fixture *f, const char *sql)
{
    int64_t n = -1;
    ok(run_with(f, sql, NULL, &n, NULL));
    return n;
}

static void gives(struct fixture *f, const char *sql, const char *expected)
{
    char *text = NULL;
    struct error *e = run_with(f, sql, NULL, NULL, &text);
    if (e)
        print_error("%s\n", sql);
    ok(e);
    assert_string_equal(text, expected);
    mem_free(text);
}

static struct error *try(struct fixture *f, const char *sql)
{
    return run_with(f, sql, NULL, NULL, NULL);
}

static void create_students(struct fixture *f)
{
    run(f,
        "create table student1 (id1 int, name1 char(12) unique, score1 float, primary key(id1))");
    run(f,
        "create table student2 (id2 int, name2 char(12) unique, score2 float, primary key(id2))");
    run(f, "insert into student1 values (1080100001, 'name1', 99), (1080100002, 'name2', 52.5)");
    run(f, "insert into student2 values (1080100001, 'name1', 1), (1080100003, 'name3', 3)");
}

/* ---- cases, run at the primary's own server and from another one ---------------------------- */

/* A statement without tables runs anywhere. */
static void test_constant(void **state)
{
    gives(*state, "select 1 + 1, 'a' || 'b', null::int", "2|ab|null\n");
    struct fixture *f = *state;
    const struct value v = {.kind = VALUE_INT, .i = 20};
    char *text = NULL;
    ok(run_with(f, "select $1::int + 1", &v, NULL, &text));
    assert_string_equal(text, "21\n");
    mem_free(text);
    fails(try(f, "select 1 / 0"), E_DIVISION_BY_ZERO);
}

/* Rows that were written are read; counts are those of the statement. */
static void test_write_and_read(void **state)
{
    struct fixture *f = *state;
    create_students(f);
    gives(f, "select * from student1 order by id1",
          "1080100001|name1       |99\n1080100002|name2       |52.5\n");
    gives(f, "select id1 from student1 where score1 > 90", "1080100001\n");
    assert_int_equal(affected(f, "update student1 set score1 = score1 + 1"), 2);
    assert_int_equal(affected(f, "delete from student1 where score1 > 90"), 1);
    assert_int_equal(affected(f, "delete from student1 where score1 > 90"), 0);
    gives(f, "insert into student1 values (7, 'x', 1), (8, 'y', 2) returning id1, score1 * 2",
          "7|2\n8|4\n");
    gives(f, "select count(*) from student1", "3\n");
    run(f, "truncate student1");
    gives(f, "select count(*) from student1", "0\n");
}

/* An error of the region comes back with its SQLSTATE and the constraint's name; nothing stays. */
static void test_constraint(void **state)
{
    struct fixture *f = *state;
    create_students(f);
    struct error *e = try(f, "insert into student1 values (9, 'new', 0), (1080100001, 'dup', 0)");
    assert_non_null(e);
    assert_string_equal(e->sqlstate, E_UNIQUE);
    assert_string_equal(e->constraint, "student1_pkey");
    error_free(e);
    gives(f, "select count(*) from student1", "2\n");
}

static void run_once(struct fixture *f, const char *sql, struct exec_result *result)
{
    struct plan *plan;
    ok(prepare(f, sql, &plan));
    ok(exec_run(f->s, plan, NULL, NULL, result));
    plan_unref(plan);
}

/* A write whose first attempt was applied, unknown to the gateway, and that had to be planned anew
 * because the schema has changed meanwhile, takes effect once. */
static void test_planned_anew(void **state)
{
    struct fixture *f = *state;
    struct exec_result result = {0}, other = {0};
    const char *sql = "insert into t values (1), (2)";
    run(f, "create table t (a int)");
    run_once(f, sql, &result);
    run_once(f, sql, &result);
    assert_int_equal(result.rows, 2);
    gives(f, "select count(*) from t", "2\n");
    run_once(f, sql, &other);
    gives(f, "select count(*) from t", "4\n");
}

/* A committed transaction stays, a rolled back one does not, and reads inside see its writes. */
static void test_transaction(void **state)
{
    struct fixture *f = *state;
    create_students(f);
    ok(exec_begin(f->s));
    run(f, "insert into student1 values (1, 'one', 1)");
    gives(f, "select count(*) from student1", "3\n");
    gives(f, "select count(*) from student2", "2\n");
    gives(f, "select count(*) from student1, student2", "6\n");
    exec_rollback(f->s);
    gives(f, "select count(*) from student1", "2\n");
    ok(exec_begin(f->s));
    run(f, "insert into student1 values (1, 'one', 1)");
    ok(exec_commit(f->s));
    gives(f, "select count(*) from student1", "3\n");
    assert_false(exec_in_transaction(f->s));
}

/* Rolling back to a savepoint undoes what came after it, also one set before the first write. */
static void test_savepoints(void **state)
{
    struct fixture *f = *state;
    create_students(f);
    ok(exec_begin(f->s));
    ok(exec_savepoint(f->s, "before"));
    run(f, "insert into student1 values (1, 'one', 1)");
    ok(exec_savepoint(f->s, "a"));
    run(f, "insert into student1 values (2, 'two', 1)");
    ok(exec_savepoint(f->s, "b"));
    run(f, "insert into student1 values (3, 'three', 1)");
    fails(exec_rollback_to(f->s, "c"), "3B001");
    ok(exec_rollback_to(f->s, "a"));
    gives(f, "select id1 from student1 where id1 < 10 order by 1", "1\n");
    fails(exec_release(f->s, "b"), "3B001");
    run(f, "insert into student1 values (4, 'four', 1)");
    fails(try(f, "insert into student1 values (4, 'again', 1)"), E_UNIQUE);
    ok(exec_rollback_to(f->s, "a"));
    run(f, "insert into student1 values (5, 'five', 1)");
    ok(exec_release(f->s, "a"));
    ok(exec_commit(f->s));
    gives(f, "select id1 from student1 where id1 < 10 order by 1", "1\n5\n");
    ok(exec_begin(f->s));
    ok(exec_savepoint(f->s, "before"));
    run(f, "delete from student1");
    ok(exec_rollback_to(f->s, "before"));
    ok(exec_commit(f->s));
    gives(f, "select count(*) from student1", "4\n");
}

/* A transaction keeps to the region that it wrote first. */
static void test_two_regions(void **state)
{
    struct fixture *f = *state;
    create_students(f);
    ok(exec_begin(f->s));
    run(f, "update student1 set score1 = 7 where score1 = 99");
    ok(exec_savepoint(f->s, "s"));
    run(f, "update student2 set score2 = 8 where score2 = 1");
    run(f, "update student1 set score1 = 8 where score1 = 7");
    ok(exec_rollback_to(f->s, "s"));
    run(f, "update student2 set score2 = 7 where score2 = 1");
    gives(f, "select score1, score2 from student1, student2 where score1 = 7 and score2 = 7",
          "7|7\n");
    exec_rollback(f->s);
    gives(f, "select count(*) from student1, student2 where score1 = 99 and score2 = 1", "1\n");
    ok(exec_begin(f->s));
    run(f, "update student1 set score1 = 7 where score1 = 99");
    run(f, "update student2 set score2 = 7 where score2 = 1");
    ok(exec_commit(f->s));
    gives(f, "select score1, score2 from student1, student2 where score1 = 7 and score2 = 7",
          "7|7\n");
    run(f, "update student1 set score1 = 99 where score1 = 7");
    run(f, "update student2 set score2 = 1 where score2 = 7");
    run(f, "update student1 set score1 = (select score2 from student2 where id2 = id1)");
    gives(f, "select id1 from student1 where score1 = 1", "1080100001\n");
    ok(exec_begin(f->s));
    run(f, "delete from student1 using student2 where id2 = id1 and score2 = 1");
    gives(f, "select id1 from student1", "1080100002\n");
    exec_rollback(f->s);
    gives(f, "select count(*) from student1", "2\n");
    ok(exec_begin(f->s));
    run(f, "truncate student1, student2");
    gives(f, "select (select count(*) from student1), (select count(*) from student2)", "0|0\n");
    exec_rollback(f->s);
    gives(f, "select (select count(*) from student1), (select count(*) from student2)", "2|2\n");
    run(f, "truncate student1, student2");
    gives(f, "select (select count(*) from student1), (select count(*) from student2)", "0|0\n");
}

/* Joins and subqueries over tables of different regions. */
static void test_across_regions(void **state)
{
    struct fixture *f = *state;
    create_students(f);
    gives(f, "select count(*) from student1 join student2", "4\n");
    gives(f, "select id1, score2 from student1 left join student2 on id1 = id2 order by id1",
          "1080100001|1\n1080100002|null\n");
    gives(f, "select name1 from student1 where id1 in (select id2 from student2)",
          "name1       \n");
    gives(f, "select id1 from student1 union select id2 from student2 order by 1 desc",
          "1080100003\n1080100002\n1080100001\n");
    gives(f,
          "select name1, sum(score2) from student1 join student2 on name1 = name2 group by name1",
          "name1       |1\n");
}

/* INSERT takes its rows from another region, with RETURNING where the target is here. */
static void test_insert_from_elsewhere(void **state)
{
    struct fixture *f = *state;
    create_students(f);
    assert_int_equal(affected(f, "insert into student1 select id2 + 10, 'n' || id2, score2 from "
                                 "student2 where score2 > 2"),
                     1);
    gives(f, "select id1, score1 from student1 where id1 = 1080100013", "1080100013|3\n");
    fails(try(f, "insert into student1 select id1, 'twice', 0 from student1, student2"), E_UNIQUE);
    gives(f, "select count(*) from student1", "3\n");
    ok(exec_begin(f->s));
    run(f, "insert into student1 select 5, 'five', 0 from student2 where id2 = 1080100003");
    gives(f, "select count(*) from student1", "4\n");
    exec_rollback(f->s);
    gives(f, "select count(*) from student1", "3\n");
}

/* COPY brings all its rows, or none. */
static void test_copy(void **state)
{
    struct fixture *f = *state;
    create_students(f);
    struct plan *plan;
    ok(prepare(f, "insert into student1 values ($1, $2, $3)", &plan));
    for (int round = 0; round < 2; round++) {
        struct exec_copy *c = NULL;
        struct error *e;
        do {
            e = exec_copy_begin(f->s, plan, &c);
        } while (error_is(e, E_STALE_SCHEMA));
        ok(e);
        for (int i = 0; i < 5000; i++) {
            char name[20];
            snprintf(name, sizeof(name), "n%d", i);
            const struct value v[3] = {{.kind = VALUE_INT, .i = i},
                                       {.kind = VALUE_TEXT, .s = {name, strlen(name)}},
                                       {.kind = VALUE_REAL, .r = i}};
            e = exec_copy_row(c, v, 3);
            if (e)
                break;
        }
        int64_t rows = 0;
        if (round == 0) {
            ok(e);
            ok(exec_copy_end(c, &rows));
            assert_int_equal(rows, 5000);
        } else if (e) {
            fails(e, E_UNIQUE);
            exec_copy_abort(c);
        } else {
            fails(exec_copy_end(c, &rows), E_UNIQUE);
        }
        gives(f, "select count(*), sum(score1) from student1 where id1 < 5000", "5000|12497500\n");
    }
    plan_unref(plan);
    assert_false(exec_in_transaction(f->s));
}

/* EXPLAIN names the regions, the servers and what they are sent. */
static void test_explain(void **state)
{
    struct fixture *f = *state;
    create_students(f);
    char *text;
    ok(run_with(f, "explain select * from student1 where id1 = 5", NULL, NULL, &text));
    assert_non_null(strstr(text, "primary s1"));
    assert_non_null(strstr(text, "SEARCH"));
    mem_free(text);
    ok(run_with(f, "explain select score1 from student1, student2 where id1 = id2 and id2 < 5",
                NULL, NULL, &text));
    assert_non_null(strstr(text, "Hash join"));
    assert_non_null(strstr(text, "student2"));
    mem_free(text);
    ok(run_with(f, "explain analyze delete from student1", NULL, NULL, &text));
    assert_non_null(strstr(text, "Rows changed: 2"));
    mem_free(text);
    gives(f, "select count(*) from student1", "0\n");
}

/* The system tables tell what the catalog knows. */
static void test_system_tables(void **state)
{
    struct fixture *f = *state;
    create_students(f);
    gives(f, "select name, status, master from minisql_servers", "s1|up|t\n");
    gives(f, "select name, primary_server, backups from minisql_tables order by name",
          "student1|s1|\nstudent2|s1|\n");
    gives(f,
          "select column_name, type, nullable from minisql_columns where table_name = 'student1' "
          "order by position",
          "id1|integer|f\nname1|character(12)|t\nscore1|double precision|t\n");
    gives(f, "select status, count(*) from minisql_regions group by status", "healthy|2\n");
    gives(f, "select is_primary, count(*) from minisql_indexes group by 1 order by 1",
          "f|2\nt|2\n");
    gives(f,
          "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where "
          "n.nspname = 'public' and relkind = 'r' order by 1",
          "student1\nstudent2\n");
}

/* A cancelled statement ends with 57014, and the session goes on. */
static void *cancel_soon(void *ctx)
{
    sleep_ms(150);
    exec_cancel(ctx);
    return NULL;
}

static void test_cancel(void **state)
{
    struct fixture *f = *state;
    create_students(f);
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, cancel_soon, f->s), 0);
    fails(try(f, "with recursive r(n) as (select 1 union all select n + 1 from r where n < "
                 "2000000000) select count(*) from r"),
          E_CANCELED);
    pthread_join(t, NULL);
    gives(f, "select count(*) from student1", "2\n");
}

static void fails_cancelled(struct fixture *f, const char *sql)
{
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, cancel_soon, f->s), 0);
    fails(try(f, sql), E_CANCELED);
    pthread_join(t, NULL);
}

/* A cancelled write leaves nothing behind, and the region goes on; a transaction ends with it, even
 * when it has a savepoint, since SQLite undoes all of it. */
static void test_cancelled_write(void **state)
{
    struct fixture *f = *state;
    const char *endless = "insert into t select g from generate_series(1, 2000000000) g";
    run(f, "create table t (a int)");
    run(f, "insert into t values (1)");
    fails_cancelled(f, endless);
    ok(exec_begin(f->s));
    run(f, "insert into t values (2)");
    ok(exec_savepoint(f->s, "x"));
    fails_cancelled(f, endless);
    fails(exec_rollback_to(f->s, "x"), E_SERIALIZATION);
    exec_rollback(f->s);
    gives(f, "select a from t", "1\n");
    run(f, "insert into t values (3)");
    gives(f, "select count(*) from t", "2\n");
}

/* ---- losing the server ---------------------------------------------------------------------- */

/* Each statement is answered once and takes effect once, although connections keep breaking. */
static void test_lost_connections(void **state)
{
    struct fixture *f = *state;
    run(f, "create table t (a int primary key, n int)");
    run(f, "insert into t values (1, 0)");
    for (int i = 0; i < 20; i++) {
        f->listener.die_after = 1 + i % 3;
        assert_int_equal(affected(f, "update t set n = n + 1"), 1);
    }
    f->listener.die_after = 0;
    gives(f, "select n from t", "20\n");
}

/* A write that is cancelled after its server was lost does not claim that nothing happened. */
static void test_lost_and_cancelled(void **state)
{
    struct fixture *f = *state;
    run(f, "create table t (a int)");
    pthread_t t;
    f->listener.mute = true;
    assert_int_equal(pthread_create(&t, NULL, cancel_soon, f->s), 0);
    struct error *e = try(f, "insert into t values (1)");
    pthread_join(t, NULL);
    f->listener.mute = false;
    fails(e, "08007");
    gives(f, "select count(*) from t", "1\n");
    f->listener.mute = true;
    assert_int_equal(pthread_create(&t, NULL, cancel_soon, f->s), 0);
    e = try(f, "select count(*) from t");
    pthread_join(t, NULL);
    f->listener.mute = false;
    fails(e, E_CANCELED);
}

/* A transaction that loses its server ends with 40001, and the session goes on. */
static void test_lost_transaction(void **state)
{
    struct fixture *f = *state;
    run(f, "create table t (a int primary key, n int)");
    ok(exec_begin(f->s));
    run(f, "insert into t values (1, 0)");
    f->listener.die_after = 1;
    fails(try(f, "insert into t values (2, 0)"), E_SERIALIZATION);
    fails(try(f, "insert into t values (3, 0)"), E_SERIALIZATION);
    fails(exec_rollback_to(f->s, "x"), E_SERIALIZATION);
    exec_rollback(f->s);
    gives(f, "select count(*) from t", "0\n");
    /* The server dies as it is told to commit: it did not, and says so when asked. */
    ok(exec_begin(f->s));
    run(f, "insert into t values (1, 0)");
    f->listener.die_after = 1;
    fails(exec_commit(f->s), E_SERIALIZATION);
    gives(f, "select count(*) from t", "0\n");
}

/* ---- the batch executor against SQLite ------------------------------------------------------ */

static char *sorted(char *text)
{
    char *lines[20000];
    int n = 0;
    for (char *p = strtok(text, "\n"); p && n < 20000; p = strtok(NULL, "\n"))
        lines[n++] = p;
    for (int i = 1; i < n; i++) /* nearly sorted input is rare, but n is small */
        for (int k = i; k > 0 && strcmp(lines[k - 1], lines[k]) > 0; k--) {
            char *swap = lines[k];
            lines[k] = lines[k - 1];
            lines[k - 1] = swap;
        }
    struct buf b = {0};
    for (int i = 0; i < n; i++)
        buf_printf(&b, "%s\n", lines[i]);
    buf_puts(&b, "");
    return b.data;
}

static char *answer(struct fixture *f, const char *sql, bool batch, size_t memory, bool in_order)
{
    char *text = NULL;
    f->s->exec->settings.batch_min_rows = batch ? 0 : INT64_MAX;
    exec_set_memory(f->s, memory);
    struct error *e = run_with(f, sql, NULL, NULL, &text);
    if (e)
        print_error("%s\n", sql);
    ok(e);
    exec_set_memory(f->s, 0);
    if (in_order)
        return text;
    char *s = sorted(text);
    mem_free(text);
    return s;
}

static void fill_random(struct fixture *f, struct rng *r)
{
    run(f, "create table a (id int primary key, k int, s text, x float8, b bigint, i2 int2)");
    run(f, "create table b (id bigint, k int, s varchar(10), y int) with (colocate_with = 'a')");
    run(f, "create table c (k int, s text) with (colocate_with = 'a')");
    struct buf sql = {0};
    for (int i = 0; i < 3000; i++) {
        buf_printf(&sql, "%s(%d, ", i % 500 ? ", " : "insert into a values ", i);
        buf_printf(&sql, rng_below(r, 10) ? "%d, " : "null, ", (int)rng_below(r, 200));
        buf_printf(&sql, rng_below(r, 10) ? "'s%d', " : "null, ", (int)rng_below(r, 30));
        buf_printf(&sql, "%d.25, %lld, %d)", (int)rng_below(r, 1000) - 500,
                   (long long)rng_next(r) / 4, (int)rng_below(r, 100));
        if (i % 500 == 499) {
            run(f, sql.data);
            buf_clear(&sql);
        }
    }
    for (int i = 0; i < 500; i++) {
        buf_printf(&sql, "%s(%d, ", i % 500 ? ", " : "insert into b values ",
                   (int)rng_below(r, 3500));
        buf_printf(&sql, rng_below(r, 10) ? "%d, " : "null, ", (int)rng_below(r, 300));
        buf_printf(&sql, rng_below(r, 10) ? "'s%d', " : "null, ", (int)rng_below(r, 40));
        buf_printf(&sql, "%d)", (int)rng_below(r, 1000));
    }
    run(f, sql.data);
    buf_clear(&sql);
    for (int i = 0; i < 50; i++)
        buf_printf(&sql, "%s(%d, 's%d')", i ? ", " : "insert into c values ",
                   (int)rng_below(r, 100), (int)rng_below(r, 50));
    run(f, sql.data);
    buf_done(&sql);
}

static const struct {
    const char *sql;
    bool in_order;
} batch_cases[] = {
    {"select k, count(*), sum(x), min(x), max(b), avg(k) from a group by k", false},
    {"select s, count(k), sum(b), avg(b), min(s), max(s) from a group by s", false},
    {"select s, k, count(*) from a group by s, k", false},
    {"select k % 7, sum(i2), avg(i2), min(i2) from a where k is not null group by 1", false},
    {"select a.s, count(*), sum(b.y) from a join b on a.id = b.id group by a.s", false},
    {"select b.s, count(*), sum(a.x) from a join b on a.k = b.k group by b.s", false},
    {"select a.s, count(b.y), max(b.y) from a left join b on a.k = b.k and b.y > 500 group by a.s",
     false},
    {"select b.s, count(*) from a left join b on a.id = b.id group by b.s", false},
    {"select b.k, c.s, count(*) from a join b on a.s = b.s join c on c.k = b.k group by b.k, c.s",
     false},
    {"select count(*), sum(a.b), min(b.y) from a, b where a.k = b.k and a.s = b.s", false},
    {"select count(*), sum(y) from a join b on a.id = b.id where a.k < 0", false},
    {"select a.k, count(*) filter (where b.y > 100), sum(case when b.y > 500 then 1 else 0 end) "
     "from a join b on a.k = b.k and a.x < b.y group by a.k having count(*) > 3",
     false},
    {"select a.s, count(*) c from a join b on a.id = b.id group by a.s order by c desc, a.s limit "
     "7",
     true},
    {"select k, sum(x) from a group by k order by k desc nulls last offset 3", true},
    {"select k, sum(x) from a group by k order by 2, 1 limit 5 offset 2", true},
    {"select coalesce(s, 'none') || '!', count(*) from a group by s", false},
    {"select a.id, a.k, count(b.y) from a left join b on b.id = a.id group by a.id", false},
    {"select upper(a.s), sum(b.y) + count(*) from a join b on a.id = b.id group by a.s", false},
    {"select c.s, count(*) from c left join a on a.k = c.k left join b on b.id = a.id and b.y < "
     "a.k group by c.s",
     false},
    {"select i2, stddev(x), string_agg(s, ',') is null from a group by i2", false},
};

/* Whatever the batch executor answers, SQLite answers too; also with next to no memory. */
static void test_batch(void **state)
{
    struct fixture *f = *state;
    struct rng r;
    rng_seed(&r, 42);
    fill_random(f, &r);
    sleep_ms(1100); /* row counts are a second old at most */
    for (size_t i = 0; i < ARRAY_LEN(batch_cases); i++) {
        const char *sql = batch_cases[i].sql;
        bool in_order = batch_cases[i].in_order;
        char *expected = answer(f, sql, false, 0, in_order);
        char *got = answer(f, sql, true, 0, in_order);
        char *spilled = answer(f, sql, true, 1000, in_order);
        if (strcmp(expected, got) != 0 || strcmp(expected, spilled) != 0)
            print_error("%s\n", sql);
        assert_string_equal(got, expected);
        assert_string_equal(spilled, expected);
        mem_free(expected);
        mem_free(got);
        mem_free(spilled);
    }
}

/* The cases above do run in batches, or they would show nothing. */
static void test_batch_is_chosen(void **state)
{
    struct fixture *f = *state;
    struct rng r;
    rng_seed(&r, 43);
    fill_random(f, &r);
    f->s->exec->settings.batch_min_rows = 0;
    for (size_t i = 0; i < ARRAY_LEN(batch_cases); i++) {
        struct plan *p;
        ok(prepare(f, batch_cases[i].sql, &p));
        if (p->kind != PLAN_BATCH)
            print_error("%s\n", batch_cases[i].sql);
        assert_int_equal(p->kind, PLAN_BATCH);
        plan_unref(p);
    }
}

/* ---- what travels between servers ----------------------------------------------------------- */

/* Values come back as they were. */
static void test_rows(void **state)
{
    char big[70000];
    memset(big, 'x', sizeof(big));
    const int64_t ints[] = {0,      -1,    127,       128,       -129,      32767,
                            -32769, 65536, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    struct value in[20], out[20];
    int n = 0, got;
    for (size_t i = 0; i < ARRAY_LEN(ints); i++)
        in[n++] = (struct value){.kind = VALUE_INT, .i = ints[i]};
    in[n++] = (struct value){.kind = VALUE_NULL};
    in[n++] = (struct value){.kind = VALUE_REAL, .r = -0.1};
    in[n++] = (struct value){.kind = VALUE_TEXT, .s = {"", 0}};
    in[n++] = (struct value){.kind = VALUE_TEXT, .s = {big, 255}};
    in[n++] = (struct value){.kind = VALUE_TEXT, .s = {big, sizeof(big)}};
    in[n++] = (struct value){.kind = VALUE_BLOB, .s = {"\0\1", 2}};
    struct buf b = {0};
    exec_rows_put(&b, in, n);
    struct reader rd = reader_of(b.data, b.len);
    ok(exec_rows_get(&rd, out, 20, &got));
    assert_int_equal(got, n);
    assert_int_equal(reader_left(&rd), 0);
    for (int i = 0; i < n; i++) {
        assert_int_equal(out[i].kind, in[i].kind);
        if (in[i].kind == VALUE_INT)
            assert_int_equal(out[i].i, in[i].i);
        if (in[i].kind == VALUE_REAL)
            assert_true(out[i].r == in[i].r);
        if (in[i].kind >= VALUE_TEXT) {
            assert_int_equal(out[i].s.n, in[i].s.n);
            assert_memory_equal(out[i].s.p, in[i].s.p, in[i].s.n);
        }
    }
    rd = reader_of(b.data, b.len);
    fails(exec_rows_get(&rd, out, n - 1, &got), E_PROTOCOL);
    buf_done(&b);
}

static struct error *touch(void *ctx, const struct value *values, int n)
{
    size_t *sum = ctx;
    for (int i = 0; i < n; i++)
        for (size_t k = 0; values[i].kind >= VALUE_TEXT && k < values[i].s.n; k++)
            *sum += (uint8_t)values[i].s.p[k];
    return NULL;
}

/* Cut, changed and random bytes are refused or read, but nothing is read beyond them. */
static void test_garbage_rows(void **state)
{
    struct rng r;
    rng_seed(&r, 7);
    struct buf b = {0};
    const struct value v[] = {{.kind = VALUE_INT, .i = 1000},
                              {.kind = VALUE_TEXT, .s = {"hello", 5}},
                              {.kind = VALUE_REAL, .r = 1}};
    for (int i = 0; i < 5; i++)
        exec_rows_put(&b, v, 3);
    struct exec_session s = {0};
    exec__drew(&s, 7, 1, true);
    exec__end_put(&b, &s, 5);
    size_t sum = 0;
    for (int i = 0; i < 20000; i++) {
        size_t n = rng_below(&r, b.len + 1);
        char *copy = mem_alloc(n + 1);
        memcpy(copy, b.data, n);
        char *exact = mem_realloc(copy, MAX(n, (size_t)1));
        for (size_t k = rng_below(&r, 4); n > 0 && k > 0; k--)
            exact[rng_below(&r, n)] = (char)rng_next(&r);
        int64_t count;
        bool end = false;
        error_free(exec__stream_get(exact, n, &s, touch, &sum, &count, &end));
        struct arena a = {0};
        struct store_request q;
        const struct value *params;
        int got;
        bool has;
        error_free(exec__args_get(exact, n, &a, &s, &has, &q, &params, &got));
        arena_done(&a);
        mem_free(exact);
    }
    mem_free(s.drawn);
    buf_done(&b);
}

static struct error *nothing(void *ctx)
{
    return NULL;
}

static struct error *no_data(void *ctx, const void *data, size_t len)
{
    return NULL;
}

/* Malformed internal statements are refused; the session lives. */
static void test_garbage_statements(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"",
                                      "NONSENSE",
                                      "RUN",
                                      "RUN 1",
                                      "RUN 1 x\nselect 1",
                                      "RUN 1 1 -",
                                      "FRAG\n",
                                      "FRAG 1 1\n",
                                      "BEGIN",
                                      "BEGIN 1",
                                      "MARK",
                                      "UNDO",
                                      "COMMIT 1 2 3",
                                      "PREPARE 1",
                                      "DECIDE 1 2 3 4",
                                      "OUTCOME 1 2 3 4",
                                      "PREPARED",
                                      "OWNER x",
                                      "WAITS 1",
                                      "COPY 1\ninsert",
                                      "APPLIED 1 2",
                                      "CHANGE 1 explode s1",
                                      "CHANGE x",
                                      "DDL\nx",
                                      "RUN 99999999999999999999 1 -\nselect 1",
                                      "ENDREAD",
                                      "READ",
                                      "COUNT",
                                      "\n\n\n"};
    const struct exec_wire wire = {.copy_out = nothing, .data = no_data, .copy_in = nothing};
    struct exec_session *s =
        exec_session_new(f->exec, &(struct exec_session_options){.internal = true});
    char tag[64];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error *e = exec_internal(s, bad[i], strlen(bad[i]), NULL, 0, &wire, tag);
        if (!e)
            print_error("%s\n", bad[i]);
        assert_non_null(e);
        error_free(e);
        e = exec_internal(s, bad[i], strlen(bad[i]), "Nx", 2, &wire, tag);
        assert_non_null(e);
        error_free(e);
    }
    ok(exec_internal(s, "ROLLBACK", 8, NULL, 0, &wire, tag));
    exec_session_free(s);
}

#define BOTH(t)                                                                                    \
    {#t " here", t, set_up, tear_down, NULL},                                                      \
    {                                                                                              \
#t " from elsewhere", t, set_up_remote, tear_down, NULL                                    \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_garbage_rows),
        cmocka_unit_test_setup_teardown(test_garbage_statements, set_up, tear_down),
        BOTH(test_constant),
        BOTH(test_write_and_read),
        BOTH(test_constraint),
        BOTH(test_planned_anew),
        BOTH(test_transaction),
        BOTH(test_savepoints),
        BOTH(test_two_regions),
        BOTH(test_across_regions),
        BOTH(test_insert_from_elsewhere),
        BOTH(test_copy),
        BOTH(test_explain),
        BOTH(test_system_tables),
        BOTH(test_cancel),
        cmocka_unit_test_setup_teardown(test_cancelled_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_connections, set_up_remote, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_transaction, set_up_remote, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_and_cancelled, set_up_remote, tear_down),
        cmocka_unit_test_setup_teardown(test_batch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_batch_is_chosen, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
