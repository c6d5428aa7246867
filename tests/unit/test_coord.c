/*
 * One conformance suite over every coordination store, then what is particular to each. Runs a real
 * etcd (Debian's etcd-server) and a real ZooKeeper (Debian's zookeeper) on free ports in a
 * temporary directory, which some cases pause, kill and start again.
 */
#include "coord/coord.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CALL_MS = 20000 }; /* on a busy machine */

/* ---- the stores under test ---------------------------------------------------------------- */

static char root[64];
static enum { EMBEDDED, ETCD, ZOOKEEPER } kind; /* which one the suite runs over */

/* A process of the store that is a process of its own. */
static struct server {
    pid_t pid;
    int client_port, peer_port, election_port;
} server;

static pid_t self; /* a forked child that fails must not go on with the suite */

static void ok(struct error *e)
{
    if (e) {
        fprintf(stderr, "%s: %s\n", e->sqlstate, e->message);
        if (getpid() != self)
            _exit(1);
        fail();
    }
}

static void fails(struct error *e, const char *sqlstate)
{
    assert_non_null(e);
    assert_string_equal(e->sqlstate, sqlstate);
    error_free(e);
}

static int listen_anywhere(int *ret_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    *ret_port = ntohs(a.sin_port);
    return fd;
}

static int free_port(void)
{
    int port;
    close(listen_anywhere(&port));
    return port;
}

/* Runs a program whose output goes to a file in root, and which ends with this process. */
static pid_t spawn(char *const argv[])
{
    char log[128];
    snprintf(log, sizeof(log), "%s/%s.log", root, argv[0]);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(fd, 1);
        dup2(fd, 2);
        execvp(argv[0], argv);
        _exit(127);
    }
    return pid;
}

static void etcd_spawn(void)
{
    char data[128], client[64], peer[64], cluster[96];
    snprintf(data, sizeof(data), "%s/etcd", root);
    snprintf(client, sizeof(client), "http://127.0.0.1:%d", server.client_port);
    snprintf(peer, sizeof(peer), "http://127.0.0.1:%d", server.peer_port);
    snprintf(cluster, sizeof(cluster), "test=%s", peer);
    char *argv[] = {"etcd",  "--name",
                    "test",  "--data-dir",
                    data,    "--listen-client-urls",
                    client,  "--advertise-client-urls",
                    client,  "--listen-peer-urls",
                    peer,    "--initial-advertise-peer-urls",
                    peer,    "--initial-cluster",
                    cluster, "--election-timeout",
                    "500",   "--heartbeat-interval",
                    "100",   NULL};
    server.pid = spawn(argv);
}

/* Member `i` of `n` that are one ensemble; n 1: stands alone. */
static void zookeeper_spawn_one(const char *name, struct server *members, int i, int n)
{
    char data[128], file[160], jar[] = "/usr/share/java/zookeeper.jar";
    snprintf(data, sizeof(data), "%s/%s-%d", root, name, i + 1);
    mkdir(data, 0700);
    snprintf(file, sizeof(file), "%s/myid", data);
    FILE *f = fopen(file, "w");
    fprintf(f, "%d\n", i + 1);
    fclose(f);
    snprintf(file, sizeof(file), "%s/zoo.cfg", data);
    f = fopen(file, "w");
    fprintf(f,
            "tickTime=500\ninitLimit=20\nsyncLimit=4\ndataDir=%s\nclientPort=%d\n"
            "clientPortAddress=127.0.0.1\nadmin.enableServer=false\nmaxClientCnxns=0\n",
            data, members[i].client_port);
    for (int j = 0; n > 1 && j < n; j++)
        fprintf(f, "server.%d=127.0.0.1:%d:%d\n", j + 1, members[j].peer_port,
                members[j].election_port);
    fclose(f);
    char *argv[] = {"java",
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "-Xmx128m",
                    "-cp",
                    jar,
                    "org.apache.zookeeper.server.quorum.QuorumPeerMain",
                    file,
                    NULL};
    members[i].pid = spawn(argv);
}

static void server_spawn(void)
{
    if (kind == ETCD)
        etcd_spawn();
    else
        zookeeper_spawn_one("zookeeper", &server, 0, 1);
}

static void server_kill(struct server *s)
{
    if (s->pid <= 0)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

static const char *scheme(void)
{
    return kind == ETCD ? "etcd" : "zookeeper";
}

static char *server_url(void)
{
    return mem_printf("%s://127.0.0.1:%d", scheme(), server.client_port);
}

static struct coord *open_url(const char *url)
{
    struct coord *c;
    char dir[96];
    snprintf(dir, sizeof(dir), "%s/data", root);
    ok(coord_open(url, dir, &c));
    return c;
}

static struct coord *open_store(void)
{
    _cleanup_(mem_freep) char *url = kind == EMBEDDED ? mem_strdup("embedded") : server_url();
    return open_url(url);
}

/* Waits up to 30 s for a condition that another thread or process makes true. */
#define EVENTUALLY(condition)                                                                      \
    do {                                                                                           \
        uint64_t until_ = clock_ms() + 30000;                                                      \
        while (!(condition) && clock_ms() < until_)                                                \
            sleep_ms(5);                                                                           \
        assert_true(condition);                                                                    \
    } while (0)

/* Every case has a prefix of its own. */
static char *key(const char *name)
{
    static char keys[256][64];
    static unsigned next, cases;
    if (!name) {
        cases++;
        return NULL;
    }
    char *k = keys[next++ % 256];
    snprintf(k, 64, "/test/%u/%s", cases, name);
    return k;
}

static int new_case(void **state)
{
    key(NULL);
    return 0;
}

/* ---- small calls -------------------------------------------------------------------------- */

static bool txn(struct coord *c, const struct coord_compare *compares, size_t n_compares,
                const struct coord_op *ops, size_t n_ops, uint64_t *ret_revision)
{
    bool succeeded;
    ok(coord_txn(c, compares, n_compares, ops, n_ops, CALL_MS, &succeeded, ret_revision));
    return succeeded;
}

static struct coord_op put_op(const char *k, const char *v)
{
    return (struct coord_op){.kind = COORD_PUT, .key = k, .value = v, .value_len = strlen(v)};
}

static uint64_t put(struct coord *c, const char *k, const char *v)
{
    uint64_t revision;
    struct coord_op op = put_op(k, v);
    assert_true(txn(c, NULL, 0, &op, 1, &revision));
    return revision;
}

static void del(struct coord *c, const char *k)
{
    struct coord_op op = {.kind = COORD_DELETE, .key = k};
    assert_true(txn(c, NULL, 0, &op, 1, NULL));
}

static bool exists(struct coord *c, const char *k)
{
    struct coord_list l;
    ok(coord_get(c, k, CALL_MS, &l));
    bool there = l.n > 0;
    coord_list_done(&l);
    return there;
}

static bool holds(struct coord *c, const char *k, const char *v)
{
    struct coord_list l;
    struct error *e = coord_get(c, k, CALL_MS, &l);
    if (e) {
        error_free(e);
        return false;
    }
    bool same = l.n > 0 && strcmp(l.kvs[0].value, v) == 0;
    coord_list_done(&l);
    return same;
}

static uint64_t revision_of(struct coord *c)
{
    struct coord_list l;
    ok(coord_get(c, "/test/none", CALL_MS, &l));
    uint64_t revision = l.revision;
    coord_list_done(&l);
    return revision;
}

/* A watcher that writes down what it is told: "key=value;" and "-key;", "|" after each transaction.
 */
struct notes {
    pthread_mutex_t lock;
    struct buf text;
    struct coord *c;
    int resyncs, connects, disconnects, fail_resyncs;
    uint64_t revision;
    size_t events;
};

static void note_events(void *ctx, uint64_t revision, const struct coord_event *events, size_t n)
{
    struct notes *notes = ctx;
    pthread_mutex_lock(&notes->lock);
    assert_true(revision > notes->revision);
    notes->revision = revision;
    notes->events += n;
    for (size_t i = 0; i < n; i++) {
        const char *name = strrchr(events[i].kv.key, '/') + 1;
        if (events[i].deleted)
            buf_printf(&notes->text, "-%s;", name);
        else
            buf_printf(&notes->text, "%s=%s;", name, events[i].kv.value);
        if (i + 1 == n || events[i].kv.mod_revision != events[i + 1].kv.mod_revision)
            buf_puts(&notes->text, "|");
    }
    pthread_mutex_unlock(&notes->lock);
}

static uint64_t note_resync(void *ctx)
{
    struct notes *notes = ctx;
    uint64_t revision = revision_of(notes->c);
    pthread_mutex_lock(&notes->lock);
    notes->resyncs++;
    if (notes->fail_resyncs-- > 0)
        revision = 0;
    else
        notes->revision = revision;
    pthread_mutex_unlock(&notes->lock);
    return revision;
}

static void note_connected(void *ctx, bool connected)
{
    struct notes *notes = ctx;
    pthread_mutex_lock(&notes->lock);
    notes->connects += connected;
    notes->disconnects += !connected;
    pthread_mutex_unlock(&notes->lock);
}

static bool noted(struct notes *notes, const char *text)
{
    pthread_mutex_lock(&notes->lock);
    bool same = strcmp(notes->text.data ? notes->text.data : "", text) == 0;
    pthread_mutex_unlock(&notes->lock);
    return same;
}

static int locked_int(struct notes *notes, const int *p)
{
    pthread_mutex_lock(&notes->lock);
    int v = *p;
    pthread_mutex_unlock(&notes->lock);
    return v;
}

static struct coord_watch *watch(struct notes *notes, struct coord *c, const char *prefix,
                                 uint64_t after)
{
    pthread_mutex_init(&notes->lock, NULL);
    notes->c = c;
    struct coord_watcher w = {
        .ctx = notes, .events = note_events, .resync = note_resync, .connected = note_connected};
    struct coord_watch *ret;
    ok(coord_watch(c, prefix, after, &w, &ret));
    return ret;
}

/* ---- reading and writing ------------------------------------------------------------------ */

/* What was put is read back byte for byte, also bytes that are no text, with the revisions of its
 * creation and change. */
static void put_and_get(void **state)
{
    struct coord *c = open_store();
    struct coord_op op = {
        .kind = COORD_PUT, .key = key("a"), .value = "x\0\xff\n\"", .value_len = 5};
    uint64_t created, changed;
    assert_true(txn(c, NULL, 0, &op, 1, &created));
    struct coord_list l;
    ok(coord_get(c, op.key, CALL_MS, &l));
    assert_int_equal(l.n, 1);
    assert_int_equal(l.kvs[0].value_len, 5);
    assert_memory_equal(l.kvs[0].value, "x\0\xff\n\"", 6);
    assert_true(l.kvs[0].create_revision == created && l.kvs[0].mod_revision == created);
    assert_true(l.revision >= created && created > 0);
    assert_true(l.kvs[0].lease == 0);
    coord_list_done(&l);
    changed = put(c, op.key, "");
    assert_true(changed > created);
    ok(coord_get(c, op.key, CALL_MS, &l));
    assert_int_equal(l.kvs[0].value_len, 0);
    assert_string_equal(l.kvs[0].value, "");
    assert_true(l.kvs[0].create_revision == created && l.kvs[0].mod_revision == changed);
    coord_list_done(&l);
    del(c, op.key);
    assert_false(exists(c, op.key));
    assert_true(put(c, op.key, "again") > changed);
    ok(coord_get(c, op.key, CALL_MS, &l));
    assert_true(l.kvs[0].create_revision > changed);
    coord_list_done(&l);
    coord_close(c);
}

/* A list holds exactly the keys with the prefix, by key, however many there are. */
static void list_prefix(void **state)
{
    struct coord *c = open_store();
    put(c, key("p"), "no");
    put(c, key("p0"), "no");
    char keys[100][64];
    struct coord_op ops[100];
    for (int i = 0; i < 2300; i += 100) {
        for (int j = 0; j < 100; j++) {
            snprintf(keys[j], sizeof(keys[j]), "%s/%05d", key("p"), i + j);
            ops[j] = put_op(keys[j], "v");
        }
        assert_true(txn(c, NULL, 0, ops, 100, NULL));
    }
    char prefix[70];
    snprintf(prefix, sizeof(prefix), "%s/", key("p"));
    struct coord_list l;
    ok(coord_list(c, prefix, CALL_MS, &l));
    assert_int_equal(l.n, 2300);
    for (size_t i = 0; i < l.n; i++)
        assert_int_equal(atoi(strrchr(l.kvs[i].key, '/') + 1), i);
    coord_list_done(&l);
    ok(coord_list(c, "", CALL_MS, &l));
    assert_true(l.n >= 2302);
    coord_list_done(&l);
    ok(coord_list(c, key("nothing/"), CALL_MS, &l));
    assert_true(l.n == 0 && l.revision > 0);
    coord_list_done(&l);
    coord_close(c);
}

/* A transaction happens when all of its compares hold, and else not at all; each kind of compare
 * means what it says. */
static void compares(void **state)
{
    struct coord *c = open_store();
    const char *a = key("a"), *b = key("b");
    uint64_t created = put(c, a, "1"), changed = put(c, a, "2");
    struct {
        struct coord_compare compare;
        bool expected;
    } cases[] = {
        {{COORD_ABSENT, a, 0}, false},        {{COORD_ABSENT, b, 0}, true},
        {{COORD_EXISTS, a, 0}, true},         {{COORD_EXISTS, b, 0}, false},
        {{COORD_UNMOVED, a, changed}, true},  {{COORD_UNMOVED, a, created}, false},
        {{COORD_UNMOVED, b, 0}, true},        {{COORD_UNMOVED, a, 0}, false},
        {{COORD_UNMOVED, b, changed}, false}, {{COORD_CREATED, a, created}, true},
        {{COORD_CREATED, a, changed}, false}, {{COORD_CREATED, b, created}, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct coord_op ops[2] = {put_op(key("x"), "x"), put_op(key("y"), "y")};
        struct coord_compare both[2] = {{COORD_EXISTS, a, 0}, cases[i].compare};
        uint64_t before = revision_of(c), after;
        assert_int_equal(txn(c, both, 2, ops, 2, &after), cases[i].expected);
        assert_true(cases[i].expected ? after > before : after == before);
        assert_int_equal(exists(c, ops[0].key), cases[i].expected);
        assert_int_equal(exists(c, ops[1].key), cases[i].expected);
        del(c, ops[0].key);
        del(c, ops[1].key);
    }
    uint64_t before = revision_of(c);
    del(c, b); /* nothing there, nothing happens */
    assert_true(revision_of(c) == before);
    coord_close(c);
}

/* What no store could do is refused before it is sent. */
static void limits(void **state)
{
    struct coord *c = open_store();
    struct coord_op twice[2] = {put_op(key("a"), "1"), put_op(key("a"), "2")};
    bool succeeded;
    fails(coord_txn(c, NULL, 0, twice, 2, CALL_MS, &succeeded, NULL), E_INTERNAL);
    struct coord_op empty = put_op("", "1");
    fails(coord_txn(c, NULL, 0, &empty, 1, CALL_MS, &succeeded, NULL), E_INTERNAL);
    char *big = mem_zalloc(COORD_VALUE_MAX + 1);
    struct coord_op large = {
        .kind = COORD_PUT, .key = key("a"), .value = big, .value_len = COORD_VALUE_MAX + 1};
    fails(coord_txn(c, NULL, 0, &large, 1, CALL_MS, &succeeded, NULL), "54000");
    large.value_len = COORD_VALUE_MAX;
    ok(coord_txn(c, NULL, 0, &large, 1, CALL_MS, &succeeded, NULL));
    struct coord_list l;
    ok(coord_get(c, large.key, CALL_MS, &l));
    assert_int_equal(l.kvs[0].value_len, COORD_VALUE_MAX);
    coord_list_done(&l);
    mem_free(big);
    coord_close(c);
}

struct counter {
    struct coord *c;
    const char *key;
    int times;
};

static void *count_up(void *arg)
{
    struct counter *n = arg;
    for (int done = 0; done < n->times;) {
        struct coord_list l;
        ok(coord_get(n->c, n->key, CALL_MS, &l));
        char next[16];
        snprintf(next, sizeof(next), "%d", l.n ? atoi(l.kvs[0].value) + 1 : 1);
        struct coord_compare unmoved = {COORD_UNMOVED, n->key, l.n ? l.kvs[0].mod_revision : 0};
        struct coord_op op = put_op(n->key, next);
        done += txn(n->c, &unmoved, 1, &op, 1, NULL);
        coord_list_done(&l);
    }
    return NULL;
}

/* Compare-and-swap by many threads at once loses no step. */
static void concurrent_swaps(void **state)
{
    struct coord *c = open_store();
    struct counter n = {c, key("n"), 25};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, count_up, &n);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_true(holds(c, n.key, "100"));
    coord_close(c);
}

static uint64_t created_at(struct coord *c, const char *k)
{
    struct coord_list l;
    ok(coord_get(c, k, CALL_MS, &l));
    assert_int_equal(l.n, 1);
    uint64_t revision = l.kvs[0].create_revision;
    coord_list_done(&l);
    return revision;
}

/* A key and one that continues it with a slash are two keys, whichever comes and goes first. */
static void nested_keys(void **state)
{
    struct coord *c = open_store();
    const char *a = key("a"), *x = key("a/x");
    put(c, x, "1");
    assert_false(exists(c, a));
    uint64_t first = put(c, a, "2");
    assert_true(created_at(c, a) == first && holds(c, a, "2") && holds(c, x, "1"));
    put(c, a, "3");
    assert_true(created_at(c, a) == first);
    del(c, a);
    assert_true(!exists(c, a) && holds(c, x, "1"));
    uint64_t second = put(c, a, "4");
    assert_true(created_at(c, a) == second);
    del(c, x);
    del(c, a);
    put(c, a, "5");
    put(c, x, "6");
    struct coord_list l;
    ok(coord_list(c, a, CALL_MS, &l));
    assert_int_equal(l.n, 2);
    assert_string_equal(l.kvs[0].value, "5");
    coord_list_done(&l);
    struct coord_op both[2] = {{.kind = COORD_DELETE, .key = a}, {.kind = COORD_DELETE, .key = x}};
    assert_true(txn(c, NULL, 0, both, 2, NULL));
    ok(coord_list(c, a, CALL_MS, &l));
    assert_int_equal(l.n, 0);
    coord_list_done(&l);
    coord_close(c);
}

struct pair {
    struct coord *c;
    const char *x, *y;
    atomic_int stop;
};

static void *change_pair(void *arg)
{
    struct pair *p = arg;
    for (int i = 0; !p->stop; i++) {
        char v[16];
        snprintf(v, sizeof(v), "%d", i);
        struct coord_op ops[2] = {put_op(p->x, v), put_op(p->y, v)};
        txn(p->c, NULL, 0, ops, 2, NULL);
    }
    return NULL;
}

/* What one transaction changes, a list shows whole or not at all, and as of the revision that it
 * names. */
static void list_of_one_moment(void **state)
{
    struct pair p = {open_store(), key("l/a/x"), key("l/b/y"), 0};
    pthread_t thread;
    pthread_create(&thread, NULL, change_pair, &p);
    EVENTUALLY(exists(p.c, p.y));
    for (int i = 0; i < 30; i++) {
        struct coord_list l;
        ok(coord_list(p.c, key("l/"), CALL_MS, &l));
        assert_int_equal(l.n, 2);
        assert_string_equal(l.kvs[0].value, l.kvs[1].value);
        assert_true(l.kvs[0].mod_revision == l.kvs[1].mod_revision);
        assert_true(l.kvs[0].mod_revision == l.revision);
        coord_list_done(&l);
    }
    p.stop = 1;
    pthread_join(thread, NULL);
    coord_close(p.c);
}

/* A store that is opened again holds what was written, at a revision that did not go back. */
static void reopen(void **state)
{
    struct coord *c = open_store();
    uint64_t revision = put(c, key("a"), "kept");
    coord_close(c);
    c = open_store();
    assert_true(holds(c, key("a"), "kept"));
    assert_true(revision_of(c) >= revision);
    coord_close(c);
}

/* ---- watching ----------------------------------------------------------------------------- */

/* A watch tells every later change under its prefix, in order, each transaction in one piece. */
static void watch_changes(void **state)
{
    struct coord *c = open_store();
    struct notes notes = {0};
    uint64_t start = put(c, key("w/old"), "0");
    struct coord_watch *w = watch(&notes, c, key("w/"), start);
    put(c, key("w/a"), "1");
    put(c, key("other"), "x");
    struct coord_op ops[3] = {
        put_op(key("w/b"), "2"), put_op(key("x"), "x"), {.kind = COORD_DELETE, .key = key("w/a")}};
    assert_true(txn(c, NULL, 0, ops, 3, NULL));
    put(c, key("w/b"), "3");
    EVENTUALLY(noted(&notes, "a=1;|b=2;-a;|b=3;|") || noted(&notes, "a=1;|-a;b=2;|b=3;|"));
    EVENTUALLY(locked_int(&notes, &notes.connects) == 1);
    coord_watch_close(w);
    put(c, key("w/c"), "4");
    assert_int_equal(notes.events, 4);
    assert_int_equal(notes.resyncs, 0);
    buf_done(&notes.text);
    coord_close(c);
}

/* A watch that begins in the past tells what happened since. */
static void watch_history(void **state)
{
    struct coord *c = open_store();
    uint64_t start = put(c, key("a"), "0");
    put(c, key("a"), "1");
    put(c, key("a"), "2");
    struct notes notes = {0};
    struct coord_watch *w = watch(&notes, c, key("a"), start);
    EVENTUALLY(noted(&notes, "a=1;|a=2;|"));
    coord_watch_close(w);
    buf_done(&notes.text);
    coord_close(c);
}

static void forget_history(struct coord *c)
{
    if (kind == ETCD) {
        _cleanup_(mem_freep) char *command =
            mem_printf("ETCDCTL_API=3 etcdctl --endpoints 127.0.0.1:%d compact %llu > /dev/null",
                       server.client_port, (unsigned long long)revision_of(c));
        assert_int_equal(system(command), 0);
    } else {
        for (int i = 0; i < (kind == EMBEDDED ? 1100 : 600); i++)
            put(c, key("filler"), "x");
    }
}

/* A watch whose beginning is forgotten asks for a resync, again until it succeeds, and goes on from
 * there. */
static void watch_resync(void **state)
{
    struct coord *c = open_store();
    put(c, key("a"), "1");
    put(c, key("a"), "2");
    forget_history(c);
    struct notes notes = {.fail_resyncs = 1};
    struct coord_watch *w = watch(&notes, c, key("a"), 0);
    EVENTUALLY(locked_int(&notes, &notes.resyncs) == 2);
    put(c, key("a"), "3");
    EVENTUALLY(noted(&notes, "a=3;|"));
    assert_int_equal(notes.resyncs, 2);
    coord_watch_close(w);
    buf_done(&notes.text);
    coord_close(c);
}

/* Watches close at once, whatever they are doing. */
static void watch_close(void **state)
{
    struct coord *c = open_store();
    uint64_t start = clock_ms();
    for (int i = 0; i < 10; i++) {
        struct notes notes = {0};
        struct coord_watch *w = watch(&notes, c, key("a"), revision_of(c));
        if (i % 2)
            put(c, key("a"), "x");
        coord_watch_close(w);
        buf_done(&notes.text);
    }
    coord_watch_close(NULL);
    assert_true(clock_ms() - start < 3000);
    coord_close(c);
}

/* ---- sessions ----------------------------------------------------------------------------- */

static struct coord_session *session(struct coord *c, const struct coord_session_events *events)
{
    struct coord_session *s;
    ok(coord_session_open(c, 2000, CALL_MS, events, &s));
    return s;
}

static bool session_put(struct coord_session *s, const char *k, const char *v, uint64_t take)
{
    bool taken;
    ok(coord_session_put(s, k, v, strlen(v), take, CALL_MS, &taken));
    return !taken;
}

/* Keys of a session outlive its lease's length while it is open, and vanish when it is closed; a
 * watch tells so. */
static void session_keys(void **state)
{
    struct coord *c = open_store();
    struct coord_session *s;
    ok(coord_session_open(c, 4000, CALL_MS, NULL, &s));
    struct notes notes = {0};
    struct coord_watch *w = watch(&notes, c, key("s/"), revision_of(c));
    assert_true(session_put(s, key("s/a"), "1", 0));
    struct coord_op op = put_op(key("s/b"), "2");
    op.session = s;
    assert_true(txn(c, NULL, 0, &op, 1, NULL));
    put(c, key("s/c"), "stays");
    sleep_ms(4600);
    assert_true(exists(c, key("s/a")) && coord_session_alive(s));
    coord_session_close(s);
    assert_false(exists(c, key("s/a")));
    assert_false(exists(c, key("s/b")));
    assert_true(exists(c, key("s/c")));
    EVENTUALLY(noted(&notes, "a=1;|b=2;|c=stays;|-a;-b;|"));
    coord_watch_close(w);
    buf_done(&notes.text);
    coord_close(c);
}

/* A key that another session holds can't be put, unless its revision is named; one's own is
 * replaced. */
static void session_taken(void **state)
{
    struct coord *c = open_store();
    struct coord_session *a = session(c, NULL), *b = session(c, NULL);
    assert_true(session_put(a, key("k"), "a", 0));
    assert_false(session_put(b, key("k"), "b", 0));
    assert_true(session_put(a, key("k"), "a2", 0));
    assert_true(holds(c, key("k"), "a2"));
    struct coord_list l;
    ok(coord_get(c, key("k"), CALL_MS, &l));
    assert_true(l.kvs[0].lease == coord_session_lease(a));
    assert_true(session_put(b, key("k"), "b", l.kvs[0].mod_revision));
    coord_list_done(&l);
    coord_session_close(a);
    assert_true(holds(c, key("k"), "b"));
    coord_session_close(b);
    assert_false(exists(c, key("k")));
    coord_close(c);
}

/* Another process' session, with two keys. It says so, waits for an answer, and changes one. */
static void hold_keys(int to_parent, const char *a, const char *b)
{
    char x = 0;
    struct coord *c = open_store();
    struct coord_session *s = session(c, NULL);
    session_put(s, a, "1", 0);
    session_put(s, b, "1", 0);
    if (write(to_parent, &x, 1) != 1 || read(to_parent, &x, 1) != 1)
        _exit(1);
    session_put(s, b, "2", 0);
    if (write(to_parent, &x, 1) != 1)
        _exit(1);
    pause();
}

/* The keys of a killed process vanish by themselves, all at once, and a watch tells so. */
static void session_of_killed_process(void **state)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    const char *a = key("s/a"), *b = key("s/b");
    pid_t pid = fork();
    if (pid == 0)
        hold_keys(pair[1], a, b);
    char x;
    close(pair[1]);
    assert_int_equal(read(pair[0], &x, 1), 1);
    struct coord *c = NULL;
    struct coord_watch *w = NULL;
    struct notes notes = {0};
    if (kind != EMBEDDED) { /* its file has one owner */
        c = open_store();
        w = watch(&notes, c, key("s/"), revision_of(c));
        EVENTUALLY(locked_int(&notes, &notes.connects) == 1);
        sleep_ms(100); /* so that it watches before the change comes */
    }
    assert_int_equal(write(pair[0], &x, 1), 1);
    assert_int_equal(read(pair[0], &x, 1), 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(pair[0]);
    if (c)
        EVENTUALLY(noted(&notes, "b=2;|-a;-b;|") || noted(&notes, "b=2;|-b;-a;|"));
    else
        c = open_store();
    EVENTUALLY(!exists(c, a) && !exists(c, b));
    coord_watch_close(w);
    buf_done(&notes.text);
    coord_close(c);
}

/* ---- election ----------------------------------------------------------------------------- */

struct candidate {
    atomic_int leads, changes;
    struct coord_session *session;
    struct coord_election *election;
};

static void candidate_changed(void *ctx, bool leader)
{
    struct candidate *c = ctx;
    c->leads = leader;
    c->changes++;
}

static void stand(struct candidate *c, struct coord *store, const char *k, const char *name)
{
    c->session = session(store, NULL);
    ok(coord_election_open(c->session, k, name, candidate_changed, c, &c->election));
}

/* One candidate leads; when it resigns or its session ends, the other does; the fence of the first
 * is void then. */
static void election(void **state)
{
    struct coord *c = open_store();
    const char *k = key("leader");
    struct candidate a = {0}, b = {0};
    stand(&a, c, k, "a");
    EVENTUALLY(a.leads);
    assert_true(holds(c, k, "a"));
    stand(&b, c, k, "b");
    struct coord_compare fence, none;
    assert_true(coord_election_fence(a.election, &fence));
    assert_false(coord_election_fence(b.election, &none));
    struct coord_op op = put_op(key("x"), "by a");
    assert_true(txn(c, &fence, 1, &op, 1, NULL));
    sleep_ms(300);
    assert_int_equal(b.changes, 0);
    struct coord_compare old = fence;
    old.key = k;
    coord_election_close(a.election);
    assert_false(a.leads);
    EVENTUALLY(b.leads);
    assert_true(holds(c, k, "b"));
    assert_false(txn(c, &old, 1, &op, 1, NULL));
    assert_true(coord_election_fence(b.election, &fence));
    assert_true(txn(c, &fence, 1, &op, 1, NULL));
    /* somebody deletes the key by hand: led again, by a new fence */
    del(c, k);
    EVENTUALLY(exists(c, k));
    EVENTUALLY(b.leads && b.changes >= 3);
    coord_election_close(b.election);
    coord_session_close(a.session);
    coord_session_close(b.session);
    coord_close(c);
}

/* ---- stores that are processes of their own ----------------------------------------------- */

/* The store killed and started again under an open watch and session: nothing is missed, nothing
 * told twice, the session's keys stay. */
static void store_restart(void **state)
{
    struct coord *c = open_store();
    struct coord_session *s = session(c, NULL);
    assert_true(session_put(s, key("s"), "1", 0));
    struct notes notes = {0};
    struct coord_watch *w = watch(&notes, c, key("w/"), revision_of(c));
    put(c, key("w/a"), "1");
    EVENTUALLY(noted(&notes, "a=1;|"));
    int connects = locked_int(&notes, &notes.connects);
    int disconnects = locked_int(&notes, &notes.disconnects);
    server_kill(&server);
    struct coord_op op = put_op(key("w/a"), "lost");
    bool succeeded;
    fails(coord_txn(c, NULL, 0, &op, 1, 400, &succeeded, NULL), E_UNAVAILABLE);
    EVENTUALLY(locked_int(&notes, &notes.disconnects) > disconnects);
    server_spawn();
    put(c, key("w/a"), "2");
    put(c, key("w/a"), "3");
    EVENTUALLY(noted(&notes, "a=1;|a=2;|a=3;|"));
    EVENTUALLY(locked_int(&notes, &notes.connects) > connects);
    EVENTUALLY(coord_session_alive(s));
    EVENTUALLY(exists(c, key("s")));
    coord_watch_close(w);
    coord_session_close(s);
    buf_done(&notes.text);
    coord_close(c);
}

static void count_one(void *ctx)
{
    atomic_fetch_add((atomic_int *)ctx, 1);
}

struct both {
    atomic_int lost, restored;
};

static void both_lost(void *ctx)
{
    count_one(&((struct both *)ctx)->lost);
}

static void both_restored(void *ctx)
{
    count_one(&((struct both *)ctx)->restored);
}

/* A lease that runs out while the store does not answer: the session says so in time, the leader
 * steps down, and afterwards keys and leadership are back. */
static void lease_lost(void **state)
{
    struct coord *c = open_store();
    struct both told = {0};
    struct coord_session_events events = {
        .ctx = &told, .lost = both_lost, .restored = both_restored};
    struct candidate a = {.session = session(c, &events)};
    const char *k = key("leader");
    ok(coord_election_open(a.session, k, "a", candidate_changed, &a, &a.election));
    assert_true(session_put(a.session, key("s"), "1", 0));
    EVENTUALLY(a.leads);
    kill(server.pid, SIGSTOP);
    uint64_t start = clock_ms();
    EVENTUALLY(told.lost == 1);
    assert_true(clock_ms() - start < 3500);
    assert_false(coord_session_alive(a.session));
    EVENTUALLY(!a.leads);
    sleep_ms(1500);
    kill(server.pid, SIGCONT);
    EVENTUALLY(told.restored == 1);
    assert_true(coord_session_alive(a.session));
    EVENTUALLY(holds(c, key("s"), "1"));
    EVENTUALLY(a.leads);
    sleep_ms(2500); /* the old lease is gone by now; what was put anew stays */
    assert_true(holds(c, key("s"), "1"));
    EVENTUALLY(holds(c, k, "a"));
    coord_election_close(a.election);
    coord_session_close(a.session);
    coord_close(c);
}

/* Nobody listens: 57P03 with a hint, when the time is up and not later, for transactions too. */
static void unreachable(void **state)
{
    char url[64];
    snprintf(url, sizeof(url), "%s://127.0.0.1:%d,127.0.0.1:%d", scheme(), free_port(),
             free_port());
    struct coord *c = open_url(url);
    uint64_t start = clock_ms();
    struct coord_list l;
    struct error *e = coord_get(c, "/a", 300, &l);
    assert_non_null(e->hint);
    fails(e, E_UNAVAILABLE);
    struct coord_op op = put_op("/a", "1");
    bool succeeded;
    fails(coord_txn(c, NULL, 0, &op, 1, 300, &succeeded, NULL), E_UNAVAILABLE);
    struct coord_session *s;
    fails(coord_session_open(c, 2000, 300, NULL, &s), E_UNAVAILABLE);
    uint64_t took = clock_ms() - start;
    assert_true(took >= 800 && took < 2500);
    coord_close(c);
}

/* ---- a server that misbehaves ------------------------------------------------------------- */

struct liar {
    int fd, port;
    const char *answer; /* sent after each request; NULL: the connection is closed instead */
    bool keep; /* the first connection's first request gets `first`, and the connection stays */
    const char *first;
    atomic_int requests, stop;
    pthread_t thread;
};

/* Reads one request whole; false at the end of the connection. */
static bool read_request(struct liar *liar, int fd)
{
    char b[4096];
    size_t n = 0, body = 0;
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        if (liar->stop)
            return false;
        if (poll(&p, 1, 50) <= 0)
            continue;
        ssize_t got = read(fd, b + n, sizeof(b) - 1 - n);
        if (got <= 0)
            return false;
        n += (size_t)got;
        b[n] = 0;
        char *end = strstr(b, "\r\n\r\n"), *length = strcasestr(b, "content-length:");
        if (length)
            body = (size_t)atoi(length + 15);
        if (end && n >= (size_t)(end + 4 - b) + body)
            return true;
    }
}

static void liar_serve(struct liar *liar, int fd)
{
    for (bool first = true; read_request(liar, fd); first = false) {
        liar->requests++;
        const char *answer = first && liar->first ? liar->first : liar->answer;
        if (!answer)
            return;
        if (write(fd, answer, strlen(answer)) < 0)
            return;
        if (!liar->keep)
            return;
    }
}

static void *liar_main(void *arg)
{
    struct liar *liar = arg;
    while (!liar->stop) {
        struct pollfd p = {liar->fd, POLLIN, 0};
        if (poll(&p, 1, 50) <= 0)
            continue;
        int fd = accept(liar->fd, NULL, NULL);
        if (fd < 0)
            continue;
        liar_serve(liar, fd);
        close(fd);
    }
    return NULL;
}

static void liar_start(struct liar *liar)
{
    liar->fd = listen_anywhere(&liar->port);
    pthread_create(&liar->thread, NULL, liar_main, liar);
}

static void liar_stop(struct liar *liar)
{
    liar->stop = 1;
    pthread_join(liar->thread, NULL);
    close(liar->fd);
}

static struct coord *open_liar(struct liar *liar)
{
    char url[64];
    snprintf(url, sizeof(url), "etcd://127.0.0.1:%d", liar->port);
    return open_url(url);
}

#define HTTP_OK "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

/* A transaction that was sent and not answered is reported as unknown, and never sent again, not
 * even over a new connection after a kept one turned out to be dead. */
static void unknown_outcome(void **state)
{
    struct liar liar = {.keep = true,
                        .first = HTTP_OK
                        "Content-Length: 60\r\n\r\n"
                        "{\"header\":{\"revision\":\"7\"},\"succeeded\":true,\"x\":[1,2,3,4,5]}"};
    liar_start(&liar);
    struct coord *c = open_liar(&liar);
    struct coord_op op = put_op("/a", "1");
    bool succeeded = false;
    uint64_t revision = 0;
    ok(coord_txn(c, NULL, 0, &op, 1, 1000, &succeeded, &revision));
    assert_true(succeeded && revision == 7);
    assert_int_equal(liar.requests, 1);
    fails(coord_txn(c, NULL, 0, &op, 1, 1000, &succeeded, NULL), E_COORD_UNKNOWN);
    sleep_ms(100);
    assert_int_equal(liar.requests, 2);
    coord_close(c);
    liar_stop(&liar);
}

/* Answers that are no answers: errors that say so, for every kind of call, and no crash. */
static void garbage_answers(void **state)
{
    static const char *const answers[] = {
        "",
        "\0\1\2\3garbage",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        HTTP_OK "Content-Length: 2\r\n\r\n[]",
        HTTP_OK "Content-Length: 2\r\n\r\n{}",
        HTTP_OK "Content-Length: 1000\r\n\r\n{\"header\":",
        HTTP_OK "Content-Length: 28\r\n\r\n{\"header\":{\"revision\":\"-1\"}}",
        HTTP_OK "Content-Length: 39\r\n\r\n{\"header\":{\"revision\":\"1\"},\"kvs\":[null]}",
        HTTP_OK "Content-Length: 61\r\n\r\n"
                "{\"header\":{\"revision\":\"1\"},\"kvs\":[{\"key\":\"!!!!\",\"value\":3}]}   ",
        HTTP_OK "Content-Length: 53\r\n\r\n"
                "{\"result\":{\"ID\":\"18446744073709551616\",\"TTL\":\"-5\"}}   ",
    };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct liar liar = {.answer = answers[i]};
        liar_start(&liar);
        struct coord *c = open_liar(&liar);
        struct coord_list l;
        struct error *e = coord_list(c, "/a", 150, &l);
        if (e) /* `{}`, say, is no range answer; a list without keys would be */
            assert_true(error_is(e, E_UNAVAILABLE) || error_is(e, E_PROTOCOL));
        assert_non_null(e);
        error_free(e);
        struct coord_op op = put_op("/a", "1");
        bool succeeded;
        if (i != 8 && i != 9) /* these two have a revision and so say: compares failed */
            fails(coord_txn(c, NULL, 0, &op, 1, 150, &succeeded, NULL), E_COORD_UNKNOWN);
        struct coord_session *s;
        e = coord_session_open(c, 2000, 150, NULL, &s);
        assert_non_null(e);
        error_free(e);
        struct notes notes = {0};
        struct coord_watch *w = watch(&notes, c, "/a", 1);
        sleep_ms(30);
        coord_watch_close(w);
        assert_int_equal(notes.events, 0);
        coord_close(c);
        liar_stop(&liar);
    }
}

/* Dead and hanging members of the list are passed over. */
static void other_endpoints(void **state)
{
    int hanging_port;
    int hanging = listen_anywhere(&hanging_port); /* accepts, says nothing */
    char url[96];
    snprintf(url, sizeof(url), "etcd://127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d", free_port(),
             hanging_port, server.client_port);
    struct coord *c = open_url(url);
    struct coord_list l;
    ok(coord_get(c, key("a"), 3000, &l));
    coord_list_done(&l);
    uint64_t start = clock_ms();
    put(c, key("a"), "1"); /* by the one that answered */
    assert_true(clock_ms() - start < 500);
    coord_close(c);
    close(hanging);
}

/* A member that accepts a watch and then never tells anything is found out, and another one asked.
 */
static void stalled_watch(void **state)
{
    struct liar liar = {.answer = HTTP_OK "Transfer-Encoding: chunked\r\n\r\n"
                                          "38\r\n{\"result\":{\"header\":{\"revision\":\"1\"},"
                                          "\"created\":true}}   \n\r\n",
                        .keep = true};
    liar_start(&liar);
    char url[64];
    snprintf(url, sizeof(url), "etcd://127.0.0.1:%d,127.0.0.1:%d", liar.port, server.client_port);
    struct coord *honest = open_store(), *c = open_url(url);
    struct notes notes = {0};
    struct coord_watch *w = watch(&notes, c, key("w/"), revision_of(honest));
    EVENTUALLY(liar.requests == 1);
    put(honest, key("w/a"), "1");
    EVENTUALLY(noted(&notes, "a=1;|"));
    coord_watch_close(w);
    buf_done(&notes.text);
    coord_close(c);
    coord_close(honest);
    liar_stop(&liar);
}

/* ---- ZooKeeper alone ---------------------------------------------------------------------- */

static struct coord *open_members(const struct server *members, int n,
                                  const struct coord_security *security)
{
    struct buf url = {0};
    for (int i = 0; i < n; i++)
        buf_printf(&url, "%s127.0.0.1:%d", i ? "," : "zookeeper://", members[i].client_port);
    struct coord *c;
    ok(coord_open_secure(url.data, root, security, &c));
    buf_done(&url);
    return c;
}

static void start_members(const char *name, struct server *members, int n)
{
    for (int i = 0; i < n; i++)
        members[i] = (struct server){0, free_port(), free_port(), free_port()};
    for (int i = 0; i < n; i++)
        zookeeper_spawn_one(name, members, i, n);
}

/* The first change, when the members that were just started have come up. */
static void first_put(struct coord *c, const char *k, const char *v)
{
    struct coord_op op = put_op(k, v);
    uint64_t deadline = clock_ms() + 90000;
    bool succeeded;
    for (;;) {
        struct error *e = coord_txn(c, NULL, 0, &op, 1, 5000, &succeeded, NULL);
        if (!e)
            return;
        if (clock_ms() >= deadline)
            ok(e);
        error_free(e);
        sleep_ms(20);
    }
}

/* Of three members each is killed in its turn, the leader among them: a watch misses nothing, a
 * session keeps its keys, changes go on through the others. */
static void three_members(void **state)
{
    struct server members[3];
    start_members("three", members, 3);
    const struct coord_security none = {0};
    struct coord *c = open_members(members, 3, &none);
    first_put(c, key("start"), "x");
    struct both told = {0};
    struct coord_session_events events = {
        .ctx = &told, .lost = both_lost, .restored = both_restored};
    struct coord_session *s;
    ok(coord_session_open(c, 9000, CALL_MS, &events, &s));
    assert_true(session_put(s, key("s"), "1", 0));
    struct notes notes = {0};
    struct coord_watch *w = watch(&notes, c, key("w/"), revision_of(c));
    struct buf expected = {0};
    for (int i = 0; i < 3; i++) {
        server_kill(&members[i]);
        char v[8];
        snprintf(v, sizeof(v), "%d", i);
        put(c, key("w/a"), v);
        buf_printf(&expected, "a=%s;|", v);
        zookeeper_spawn_one("three", members, i, 3);
        EVENTUALLY(noted(&notes, expected.data));
        struct coord *one = open_members(&members[i], 1, &none);
        EVENTUALLY(holds(one, key("w/a"), v)); /* it is a member again */
        coord_close(one);
    }
    assert_int_equal(notes.resyncs, 0);
    assert_int_equal(told.lost, told.restored);
    assert_true(holds(c, key("s"), "1"));
    coord_watch_close(w);
    coord_session_close(s);
    coord_close(c);
    buf_done(&notes.text);
    buf_done(&expected);
    for (int i = 0; i < 3; i++)
        server_kill(&members[i]);
}

/* Nodes of a user (scheme "digest") are nobody else's. */
static void zookeeper_user(void **state)
{
    struct server one[1];
    start_members("secure", one, 1);
    const struct coord_security none = {0}, wrong = {.user = "minisql", .password = "guess"},
                                right = {.user = "minisql", .password = "secret"};
    struct coord *c = open_members(one, 1, &right), *other = open_members(one, 1, &wrong),
                 *nobody = open_members(one, 1, &none);
    first_put(c, key("w/a"), "0");
    struct coord_session *s = session(c, NULL);
    struct notes notes = {0};
    struct coord_watch *w = watch(&notes, c, key("w/"), revision_of(c));
    assert_true(session_put(s, key("w/s"), "1", 0));
    put(c, key("w/a"), "1");
    EVENTUALLY(noted(&notes, "s=1;|a=1;|"));
    struct coord_op op = put_op(key("w/a"), "stolen");
    bool succeeded;
    struct coord_list l;
    fails(coord_txn(other, NULL, 0, &op, 1, CALL_MS, &succeeded, NULL), "28000");
    fails(coord_txn(nobody, NULL, 0, &op, 1, CALL_MS, &succeeded, NULL), "28000");
    fails(coord_get(nobody, key("w/a"), CALL_MS, &l), "28000");
    assert_true(holds(c, key("w/a"), "1"));
    coord_watch_close(w);
    coord_session_close(s);
    coord_close(c);
    coord_close(other);
    coord_close(nobody);
    buf_done(&notes.text);
    server_kill(one);
}

/* Any text is a key: what ZooKeeper has no name for is written otherwise. */
static void odd_keys(void **state)
{
    static const char *const names[] = {"a//b",
                                        "a/",
                                        ".",
                                        "../x",
                                        "@",
                                        "a/@",
                                        "%41",
                                        "\x01",
                                        "\x7f",
                                        "\xc2\x85",
                                        "\xff",
                                        "ä",
                                        "€",
                                        "%",
                                        "a b\n\"c\"",
                                        "zookeeper",
                                        "\xf0\x9f\x90\xa7"};
    struct coord *c = open_store();
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        put(c, key(names[i]), names[i]);
    struct coord_list l;
    ok(coord_list(c, key(""), CALL_MS, &l));
    assert_int_equal(l.n, ARRAY_LEN(names));
    for (size_t i = 0; i < l.n; i++)
        assert_string_equal(l.kvs[i].key + strlen(key("")), l.kvs[i].value);
    coord_list_done(&l);
    coord_close(c);
}

/* Something between the client and ZooKeeper that takes what it is given, hands it on, and may keep
 * the answer to a change to itself. */
struct swallower {
    int fd, port;
    atomic_int swallow; /* so many answers to a multi are lost, with the connection */
    atomic_int shut;    /* and nobody is let in afterwards */
    atomic_int stop;
    pthread_t thread;
};

static bool read_exactly(int fd, void *to, size_t n)
{
    for (size_t got = 0; got < n;) {
        ssize_t r = read(fd, (char *)to + got, n - got);
        if (r <= 0)
            return false;
        got += (size_t)r;
    }
    return true;
}

/* Hands one message on. False: the connection is over. */
static bool hand_on(int from, int to, bool request, bool *ret_multi)
{
    static char body[2 * 1024 * 1024];
    uint32_t len, type;
    if (!read_exactly(from, &len, 4) || ntohl(len) > sizeof(body) ||
        !read_exactly(from, body, ntohl(len)))
        return false;
    memcpy(&type, body + 4, 4);
    *ret_multi = request && ntohl(type) == 14;
    return write(to, &len, 4) == 4 && write(to, body, ntohl(len)) == (ssize_t)ntohl(len);
}

static void swallower_serve(struct swallower *w, int client)
{
    int upstream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)server.client_port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool alive = connect(upstream, (struct sockaddr *)&a, sizeof(a)) == 0;
    for (bool first = true; alive && !w->stop;) {
        struct pollfd p[2] = {{client, POLLIN, 0}, {upstream, POLLIN, 0}};
        bool multi = false;
        if (poll(p, 2, 50) <= 0)
            continue;
        if (p[1].revents)
            alive = hand_on(upstream, client, false, &multi);
        if (alive && p[0].revents) {
            alive = hand_on(client, upstream, !first, &multi);
            first = false;
        }
        if (multi && w->swallow > 0) {
            uint32_t len;
            read_exactly(upstream, &len, 4); /* it has been done */
            w->swallow--;
            alive = false;
        }
    }
    close(upstream);
}

static void *swallower_main(void *arg)
{
    struct swallower *w = arg;
    while (!w->stop) {
        struct pollfd p = {w->fd, POLLIN, 0};
        if (poll(&p, 1, 50) <= 0)
            continue;
        int fd = accept(w->fd, NULL, NULL);
        if (fd >= 0 && !(w->shut && w->swallow == 0))
            swallower_serve(w, fd);
        if (fd >= 0)
            close(fd);
    }
    return NULL;
}

/* A change whose answer got lost is found in the log, and not made twice; when it can't be looked
 * for, its outcome is unknown. */
static void lost_answers(void **state)
{
    struct swallower w = {0};
    w.fd = listen_anywhere(&w.port);
    pthread_create(&w.thread, NULL, swallower_main, &w);
    char url[64];
    snprintf(url, sizeof(url), "zookeeper://127.0.0.1:%d", w.port);
    struct coord *c = open_url(url), *direct = open_store();
    const char *k = key("a");
    uint64_t created = put(c, k, "0");
    w.swallow = 1;
    struct coord_compare unmoved = {COORD_UNMOVED, k, created};
    struct coord_op op = put_op(k, "1");
    uint64_t revision;
    assert_true(txn(c, &unmoved, 1, &op, 1, &revision));
    assert_int_equal(w.swallow, 0);
    struct coord_list l;
    ok(coord_get(direct, k, CALL_MS, &l));
    assert_true(l.kvs[0].mod_revision == revision && l.revision == revision);
    coord_list_done(&l);
    w.shut = 1;
    w.swallow = 1;
    op = put_op(k, "2");
    bool succeeded;
    fails(coord_txn(c, NULL, 0, &op, 1, 3000, &succeeded, NULL), E_COORD_UNKNOWN);
    assert_true(holds(direct, k, "2"));
    coord_close(c);
    coord_close(direct);
    w.stop = 1;
    pthread_join(w.thread, NULL);
    close(w.fd);
}

/* ---- etcd with TLS and users --------------------------------------------------------------- */

static void sh(const char *format, ...) PRINTF_LIKE(1, 2);
static void sh(const char *format, ...)
{
    _cleanup_(buf_done) struct buf command = {0};
    buf_printf(&command, "cd %s && export ETCDCTL_API=3 && (", root);
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&command, format, ap);
    va_end(ap);
    buf_puts(&command, ") > sh.log 2>&1");
    if (system(command.data) != 0) {
        fprintf(stderr, "failed: %s\n", command.data);
        fail();
    }
}

static void make_certificates(void)
{
    const char *how = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    sh("echo subjectAltName=IP:127.0.0.1 > san; for ca in ca other; do "
       "openssl req -x509 %s -keyout $ca.key -out $ca.pem -subj /CN=$ca -days 2; done; "
       "for who in server client; do "
       "openssl req %s -keyout $who.key -out $who.csr -subj /O=$who && "
       "openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
       "-extfile san -out $who.pem || exit 1; done",
       how, how);
}

static void secure_etcd_spawn(struct server *s)
{
    char data[96], client[64], peer[64], cluster[96], cert[96], private[96], ca[96];
    snprintf(data, sizeof(data), "%s/etcd-secure", root);
    snprintf(client, sizeof(client), "https://127.0.0.1:%d", s->client_port);
    snprintf(peer, sizeof(peer), "http://127.0.0.1:%d", s->peer_port);
    snprintf(cluster, sizeof(cluster), "test=%s", peer);
    snprintf(cert, sizeof(cert), "%s/server.pem", root);
    snprintf(private, sizeof(private), "%s/server.key", root);
    snprintf(ca, sizeof(ca), "%s/ca.pem", root);
    char *argv[] = {"etcd",
                    "--name",
                    "test",
                    "--data-dir",
                    data,
                    "--listen-client-urls",
                    client,
                    "--advertise-client-urls",
                    client,
                    "--listen-peer-urls",
                    peer,
                    "--initial-advertise-peer-urls",
                    peer,
                    "--initial-cluster",
                    cluster,
                    "--cert-file",
                    cert,
                    "--key-file",
                    private,
                    "--trusted-ca-file",
                    ca,
                    "--client-cert-auth",
                    "--bcrypt-cost",
                    "4",
                    NULL};
    s->pid = spawn(argv);
}

static struct coord *open_secure(const struct server *s, const char *ca, const char *user,
                                 const char *password)
{
    char url[64], ca_file[96], cert[96], private[96];
    snprintf(url, sizeof(url), "etcds://127.0.0.1:%d", s->client_port);
    snprintf(ca_file, sizeof(ca_file), "%s/%s.pem", root, ca);
    snprintf(cert, sizeof(cert), "%s/client.pem", root);
    snprintf(private, sizeof(private), "%s/client.key", root);
    const struct coord_security security = {
        .ca = ca_file, .cert = cert, .key = private, .user = user, .password = password};
    struct coord *c;
    ok(coord_open_secure(url, root, &security, &c));
    return c;
}

static void add_users(const struct server *s)
{
    sh("ctl() { etcdctl --cacert ca.pem --cert client.pem --key client.key "
       "--endpoints https://127.0.0.1:%d \"$@\"; }; "
       "for i in $(seq 300); do ctl get x && break; sleep 0.1; done; "
       "ctl user add root:rootpw && ctl user grant-role root root && ctl role add minisql && "
       "ctl role grant-permission minisql --prefix=true readwrite /test/ && "
       "ctl role grant-permission minisql --prefix=true readwrite /minisql/ && "
       "ctl user add minisql:secret && ctl user grant-role minisql minisql && ctl auth enable",
       s->client_port);
}

static void are_refused(const struct server *s)
{
    struct coord_list l;
    struct coord *wrong = open_secure(s, "ca", "minisql", "guess"),
                 *nobody = open_secure(s, "ca", NULL, NULL),
                 *stranger = open_secure(s, "other", "minisql", "secret"),
                 *right = open_secure(s, "ca", "minisql", "secret");
    fails(coord_get(wrong, key("w/a"), CALL_MS, &l), "28000");
    fails(coord_get(nobody, key("w/a"), CALL_MS, &l), "28000");
    fails(coord_get(stranger, key("w/a"), 500, &l), E_UNAVAILABLE);
    fails(coord_get(right, "/elsewhere", CALL_MS, &l), "28000");
    coord_close(wrong);
    coord_close(nobody);
    coord_close(stranger);
    coord_close(right);
}

/* etcd over TLS, with certificates on both sides, and users: what the right ones may, and how the
 * wrong ones are refused. Tokens that etcd forgot with a restart are got anew. */
static void etcd_secure(void **state)
{
    struct server s = {0, free_port(), free_port(), 0};
    make_certificates();
    secure_etcd_spawn(&s);
    add_users(&s);
    struct coord *c = open_secure(&s, "ca", "minisql", "secret");
    uint64_t start = put(c, key("w/a"), "1");
    struct notes notes = {0};
    struct coord_watch *w = watch(&notes, c, key("w/"), start);
    struct coord_session *held = session(c, NULL);
    assert_true(session_put(held, key("w/s"), "1", 0));
    EVENTUALLY(noted(&notes, "s=1;|"));
    server_kill(&s);
    secure_etcd_spawn(&s);
    put(c, key("w/a"), "2");
    EVENTUALLY(noted(&notes, "s=1;|a=2;|"));
    EVENTUALLY(coord_session_alive(held));
    are_refused(&s);
    coord_watch_close(w);
    coord_session_close(held);
    coord_close(c);
    buf_done(&notes.text);
    server_kill(&s);
}

/* ---- opening ------------------------------------------------------------------------------ */

/* URLs that name no store we have are refused with a hint. */
static void urls(void **state)
{
    struct coord *c;
    static const char *const bad[] = {"",
                                      "etcd",
                                      "etcd://",
                                      "etcd://a",
                                      "etcd://a:",
                                      "etcd://:1",
                                      "etcd://a:99999",
                                      "etcd://a:1,",
                                      "etcd://a:1,,b:2",
                                      "etcd://a b:1",
                                      "etcd://a:1/x",
                                      "consul://a:1",
                                      "etcd://u@h:1",
                                      "etcd://a:1x",
                                      "zookeeper://",
                                      "zookeeper://a",
                                      "zookeeper://a:1/x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        fails(coord_open(bad[i], root, &c), "22023");
    struct error *e = coord_open("etcd://user:secret@h:1", root, &c);
    assert_null(strstr(e->message, "secret"));
    fails(e, "22023");
    fails(coord_open("zookeepers://h:1", root, &c), E_UNSUPPORTED);
    static const struct {
        const char *url;
        struct coord_security security;
    } useless[] = {
        {"etcd://h:1", {.ca = "ca.pem"}},   {"zookeeper://h:1", {.cert = "c.pem", .key = "c.key"}},
        {"etcds://h:1", {.cert = "c.pem"}}, {"etcds://h:1", {.user = "u"}},
        {"etcd://h:1", {.password = "p"}},  {"embedded", {.user = "u", .password = "p"}}};
    for (size_t i = 0; i < ARRAY_LEN(useless); i++)
        fails(coord_open_secure(useless[i].url, root, &useless[i].security, &c), "22023");
    ok(coord_open("etcd://a.example:2379,[::1]:1", root, &c));
    assert_string_equal(coord_url(c), "etcd://a.example:2379,[::1]:1");
    coord_close(c);
    ok(coord_open("zookeeper://a.example:2181,b:1", root, &c));
    coord_close(c);
    coord_close(NULL);
}

/* The embedded store's file belongs to one process at a time. */
static void embedded_in_use(void **state)
{
    struct coord *c = open_store();
    pid_t pid = fork();
    if (pid == 0) {
        char dir[96];
        snprintf(dir, sizeof(dir), "%s/data", root);
        struct coord *other;
        struct error *e = coord_open("embedded", dir, &other);
        _exit(error_is(e, "55006") && e->hint ? 0 : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    put(c, key("a"), "still mine");
    coord_close(c);
}

/* A file that is none of ours, one of a newer format, and a directory that can't be: clear errors.
 */
static void embedded_bad_file(void **state)
{
    char dir[96], path[128];
    snprintf(dir, sizeof(dir), "%s/bad", root);
    snprintf(path, sizeof(path), "%s/coord.db", dir);
    mkdir(dir, 0700);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("garbage ", f);
    fclose(f);
    struct coord *c;
    fails(coord_open("embedded", dir, &c), E_DAMAGED);
    fails(coord_open("embedded", path, &c), E_IO);
    unlink(path);
    ok(coord_open("embedded", dir, &c));
    coord_close(c);
    _cleanup_(mem_freep) char *newer = mem_printf("python3 -c \"import sqlite3;"
                                                  "sqlite3.connect('%s').execute("
                                                  "'PRAGMA user_version = 99')\"",
                                                  path);
    assert_int_equal(system(newer), 0);
    fails(coord_open("embedded", dir, &c), E_UNSUPPORTED);
}

#define CASE(f) cmocka_unit_test_setup(f, new_case)
#define CONFORMANCE                                                                                \
    CASE(put_and_get), CASE(list_prefix), CASE(compares), CASE(limits), CASE(concurrent_swaps),    \
        CASE(nested_keys), CASE(list_of_one_moment), CASE(reopen), CASE(watch_changes),            \
        CASE(watch_history), CASE(watch_resync), CASE(watch_close), CASE(session_keys),            \
        CASE(session_taken), CASE(session_of_killed_process), CASE(election)

/* A Java machine takes a while to start on a busy one. */
static int await_server(void)
{
    struct coord *c = open_store();
    struct coord_list l = {0};
    struct error *e = coord_get(c, "/test/none", 60000, &l);
    if (e)
        fprintf(stderr, "%s\n", e->message);
    coord_list_done(&l);
    coord_close(c);
    error_free(e);
    return e ? -1 : 0;
}

static int start_server(void **state)
{
    server.client_port = free_port();
    server.peer_port = free_port();
    server_spawn();
    return await_server();
}

static int start_etcd(void **state)
{
    kind = ETCD;
    return start_server(state);
}

static int start_zookeeper(void **state)
{
    kind = ZOOKEEPER;
    return start_server(state);
}

static int stop_server(void **state)
{
    server_kill(&server);
    return 0;
}

static void remove_root(void)
{
    _cleanup_(mem_freep) char *command = mem_printf("rm -rf %s", root);
    if (system(command) != 0)
        fprintf(stderr, "could not remove %s\n", root);
}

/* The store to test, and (optional) a pattern for the names of cases. */
int main(int argc, char **argv)
{
    if (argc > 2)
        cmocka_set_test_filter(argv[2]);
    const struct CMUnitTest embedded_tests[] = {CONFORMANCE, CASE(urls), CASE(embedded_in_use),
                                                CASE(embedded_bad_file)};
    const struct CMUnitTest etcd_tests[] = {
        CONFORMANCE,           CASE(store_restart),   CASE(lease_lost),
        CASE(unreachable),     CASE(unknown_outcome), CASE(garbage_answers),
        CASE(other_endpoints), CASE(stalled_watch),   CASE(etcd_secure)};
    const struct CMUnitTest zookeeper_tests[] = {
        CONFORMANCE,    CASE(store_restart), CASE(lease_lost),    CASE(unreachable),
        CASE(odd_keys), CASE(lost_answers),  CASE(three_members), CASE(zookeeper_user)};
    self = getpid();
    signal(SIGPIPE, SIG_IGN);
    log_threshold = LOG_ERROR;
    snprintf(root, sizeof(root), "/tmp/test_coord.XXXXXX");
    if (argc < 2 || !mkdtemp(root))
        return 1;
    int failed = 1;
    if (strcmp(argv[1], "embedded") == 0)
        failed = cmocka_run_group_tests_name("embedded", embedded_tests, NULL, NULL);
    else if (strcmp(argv[1], "etcd") == 0)
        failed = cmocka_run_group_tests_name("etcd", etcd_tests, start_etcd, stop_server);
    else if (strcmp(argv[1], "zookeeper") == 0)
        failed =
            cmocka_run_group_tests_name("zookeeper", zookeeper_tests, start_zookeeper, stop_server);
    remove_root();
    return failed;
}
