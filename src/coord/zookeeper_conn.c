/*
 * Connections and requests of the ZooKeeper store, over the C client's asynchronous calls only: a
 * synchronous one has no deadline.
 *
 * The client connects, and connects again to the next member, by itself, as long as ZooKeeper keeps
 * the session. What was under way when a connection broke is answered with ZCONNECTIONLOSS. When
 * the session itself is over, the connection is useless: the common one is replaced by the next
 * call, a lease is lost.
 *
 * Requests go out in batches; ZooKeeper answers those of one connection in the order in which they
 * were sent, after a sync as of the leader's state. An answer may come after its caller stopped
 * waiting: so a batch belongs to its caller and to each request that is under way, and the last of
 * them frees it.
 */
#include "coord/zookeeper_int.h"

#include <errno.h>

struct zk_batch {
    struct zk_conn *conn;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    /* guarded by lock */
    size_t pending;
    bool abandoned; /* by its caller */
    /* the caller's, until a reply is pending; then the client's, until it isn't */
    size_t n, max;
    struct zk_reply replies[];
};

/* ---- connections -------------------------------------------------------------------------- */

static void wake(struct zookeeper *z, bool not_the_log)
{
    pthread_mutex_lock(&z->lock);
    z->news++;
    z->stirs += not_the_log;
    pthread_cond_broadcast(&z->changed);
    pthread_mutex_unlock(&z->lock);
}

/* Every watch, and every change of a connection's state, ends here, on a thread of the client. */
static void notice(zhandle_t *zh, int type, int state, const char *path, void *ctx)
{
    struct zk_conn *c = ctx;
    wake(c->z, type == ZOO_SESSION_EVENT || !path || strcmp(path, ZK_LOG) != 0);
}

static void drop_log_line(const char *message)
{
    log_debug("%s", message);
}

struct error *zk__unreachable(const struct zookeeper *z, const char *why)
{
    return error_hint(
        error_new(E_UNAVAILABLE, "could not reach ZooKeeper at %s: %s", z->hosts, why),
        "Check that ZooKeeper runs and that --coord names its client addresses. Data goes on being "
        "served; changes of tables and servers wait.");
}

struct error *zk__nonsense(const char *path)
{
    return error_hint(error_new(E_DAMAGED, "%s in ZooKeeper makes no sense", path),
                      "Was it changed by hand?");
}

struct error *zk__conn_new(struct zookeeper *z, unsigned session_ms, struct zk_conn **ret)
{
    struct zk_conn *c = NEW(struct zk_conn);
    *c = (struct zk_conn){.z = z, .refs = 1};
    c->zh = zookeeper_init2(z->hosts, notice, (int)session_ms, NULL, c, ZOO_NO_LOG_CLIENTENV,
                            drop_log_line);
    if (!c->zh) {
        int err = errno;
        mem_free(c);
        return zk__unreachable(z, strerror(err));
    }
    *ret = c;
    return NULL;
}

void zk__conn_unref(struct zk_conn *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->z->lock);
    bool last = --c->refs == 0;
    pthread_mutex_unlock(&c->z->lock);
    if (!last)
        return;
    zookeeper_close(c->zh); /* answers what is under way */
    mem_free(c);
}

bool zk__expired(const struct zk_conn *c)
{
    return is_unrecoverable(c->zh) != ZOK;
}

static struct zk_conn *find_lease(struct zookeeper *z, uint64_t lease)
{
    struct zk_conn *c = z->leases;
    while (c && c->lease != lease)
        c = c->next;
    return c;
}

/* Takes a reference to the common connection, or NULL when there is no living one. */
static struct zk_conn *common_locked(struct zookeeper *z)
{
    if (!z->common || zk__expired(z->common))
        return NULL;
    z->common->refs++;
    return z->common;
}

static struct error *renew_common(struct zookeeper *z, struct zk_conn **ret)
{
    struct zk_conn *c, *old = NULL;
    TRY(zk__conn_new(z, ZK_SESSION_MS, &c)); /* looks names up: not with the lock held */
    pthread_mutex_lock(&z->lock);
    struct zk_conn *other = common_locked(z);
    if (!other) {
        old = z->common;
        z->common = c;
        c->refs++;
    }
    pthread_mutex_unlock(&z->lock);
    zk__conn_unref(other ? c : old);
    *ret = other ? other : c;
    return NULL;
}

struct error *zk__conn(struct zookeeper *z, uint64_t lease, struct zk_conn **ret)
{
    pthread_mutex_lock(&z->lock);
    struct zk_conn *c = lease ? find_lease(z, lease) : common_locked(z);
    if (lease && c)
        c->refs++;
    pthread_mutex_unlock(&z->lock);
    if (!c)
        return lease ? coord__session_lost() : renew_common(z, ret);
    *ret = c;
    return NULL;
}

/* Tells who we are, once, and before anything is asked; when the client connects again, it repeats
 * that by itself. Not earlier: between two attempts to connect it would not take it. */
static bool introduce_locked(struct zk_conn *c)
{
    const char *digest = c->z->digest;
    if (digest && !c->introduced)
        c->introduced =
            zoo_add_auth(c->zh, "digest", digest, (int)strlen(digest), NULL, NULL) == ZOK;
    return !digest || c->introduced;
}

struct error *zk__connected(struct zk_conn *c, uint64_t deadline)
{
    struct zookeeper *z = c->z;
    int state;
    pthread_mutex_lock(&z->lock);
    while ((state = zoo_state(c->zh)) != ZOO_CONNECTED_STATE && !zk__expired(c)) {
        if (!coord__cond_wait(&z->changed, &z->lock, deadline) && clock_ms() >= deadline)
            break;
    }
    bool ready = state == ZOO_CONNECTED_STATE && introduce_locked(c);
    pthread_mutex_unlock(&z->lock);
    if (ready)
        return NULL;
    return zk__unreachable(z, zk__expired(c) ? "the session is over" : "no connection");
}

bool zk__wait_news(struct zookeeper *z, uint64_t seen, const bool *stop, uint64_t deadline)
{
    pthread_mutex_lock(&z->lock);
    while (z->news == seen && !*stop && coord__cond_wait(&z->changed, &z->lock, deadline)) {
    }
    bool news = z->news != seen;
    pthread_mutex_unlock(&z->lock);
    return news;
}

/* ---- batches ------------------------------------------------------------------------------ */

struct zk_batch *zk__batch_new(struct zk_conn *c, size_t n)
{
    struct zk_batch *b = mem_zalloc(sizeof(*b) + n * sizeof(b->replies[0]));
    b->conn = c;
    b->max = n;
    pthread_mutex_init(&b->lock, NULL);
    coord__cond_init(&b->answered);
    return b;
}

static void batch_free(struct zk_batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        mem_free(b->replies[i].data);
        mem_free(b->replies[i].results);
        deallocate_String_vector(&b->replies[i].names);
    }
    pthread_cond_destroy(&b->answered);
    pthread_mutex_destroy(&b->lock);
    mem_free(b);
}

void zk__batch_done(struct zk_batch *b)
{
    pthread_mutex_lock(&b->lock);
    b->abandoned = true;
    bool last = b->pending == 0;
    pthread_mutex_unlock(&b->lock);
    if (last)
        batch_free(b);
}

void zk__batch_donep(struct zk_batch **b)
{
    if (*b)
        zk__batch_done(*b);
}

struct zk_reply *zk__reply(struct zk_batch *b, size_t i)
{
    assert(i < b->n);
    return &b->replies[i];
}

static struct zk_reply *begin(struct zk_batch *b)
{
    assert(b->n < b->max);
    struct zk_reply *r = &b->replies[b->n++];
    r->batch = b;
    pthread_mutex_lock(&b->lock);
    b->pending++;
    pthread_mutex_unlock(&b->lock);
    return r;
}

static void finish(struct zk_reply *r, int rc)
{
    struct zk_batch *b = r->batch;
    r->rc = rc;
    pthread_mutex_lock(&b->lock);
    bool last = --b->pending == 0;
    bool nobody = last && b->abandoned;
    if (last)
        pthread_cond_signal(&b->answered);
    pthread_mutex_unlock(&b->lock);
    if (nobody)
        batch_free(b);
}

/* What a call said: a request that did not get under way is answered with that. */
static void begun(struct zk_reply *r, int rc)
{
    if (rc != ZOK)
        finish(r, rc);
}

/* ---- requests ----------------------------------------------------------------------------- */

static struct zk_reply *reply_of(const void *data)
{
    return (struct zk_reply *)(uintptr_t)data;
}

static void take_done(int rc, const void *data)
{
    finish(reply_of(data), rc);
}

static void take_string(int rc, const char *value, const void *data)
{
    finish(reply_of(data), rc);
}

static void take_stat(int rc, const struct Stat *stat, const void *data)
{
    struct zk_reply *r = reply_of(data);
    if (rc == ZOK)
        r->stat = *stat;
    finish(r, rc);
}

static void take_data(int rc, const char *value, int len, const struct Stat *stat, const void *data)
{
    struct zk_reply *r = reply_of(data);
    if (rc == ZOK) {
        r->stat = *stat;
        if (value && len >= 0) {
            r->data = mem_strndup(value, (size_t)len);
            r->len = (size_t)len;
        }
    }
    finish(r, rc);
}

static void take_names(int rc, const struct String_vector *strings, const void *data)
{
    struct zk_reply *r = reply_of(data);
    if (rc == ZOK && strings->count > 0) {
        allocate_String_vector(&r->names, strings->count);
        for (int i = 0; i < strings->count; i++)
            r->names.data[i] = strdup(strings->data[i]);
    }
    finish(r, rc);
}

void zk__sync(struct zk_batch *b)
{
    struct zk_reply *r = begin(b);
    begun(r, zoo_async(b->conn->zh, ZK_LOG, take_string, r));
}

void zk__get(struct zk_batch *b, const char *path, bool watch)
{
    struct zk_reply *r = begin(b);
    begun(r, zoo_awget(b->conn->zh, path, watch ? notice : NULL, b->conn, take_data, r));
}

void zk__exists(struct zk_batch *b, const char *path, bool watch)
{
    struct zk_reply *r = begin(b);
    begun(r, zoo_awexists(b->conn->zh, path, watch ? notice : NULL, b->conn, take_stat, r));
}

void zk__children(struct zk_batch *b, const char *path)
{
    struct zk_reply *r = begin(b);
    begun(r, zoo_awget_children(b->conn->zh, path, NULL, NULL, take_names, r));
}

void zk__create(struct zk_batch *b, const char *path, const char *data, size_t len)
{
    struct zk_reply *r = begin(b);
    begun(r, zoo_acreate(b->conn->zh, path, data, data ? (int)len : -1, zk__acl(b->conn->z),
                         ZOO_PERSISTENT, take_string, r));
}

void zk__multi(struct zk_batch *b, zoo_op_t *ops, int n)
{
    struct zk_reply *r = begin(b);
    ops[0].set_op.stat = &r->stat;
    r->results = mem_zalloc((size_t)n * sizeof(*r->results));
    begun(r, zoo_amulti(b->conn->zh, n, ops, r->results, take_done, r));
}

const struct ACL_vector *zk__acl(const struct zookeeper *z)
{
    return z->digest ? &ZOO_CREATOR_ALL_ACL : &ZOO_OPEN_ACL_UNSAFE;
}

/* ---- answers ------------------------------------------------------------------------------ */

static struct error *check_reply(const struct zk_batch *b, const struct zk_reply *r)
{
    switch (r->rc) {
    case ZOK:
    case ZNONODE:
    case ZNODEEXISTS:
    case ZBADVERSION:
    case ZNOTEMPTY:
    case ZNOCHILDRENFOREPHEMERALS:
    case ZRUNTIMEINCONSISTENCY:
        return NULL;
    case ZNOAUTH:
    case ZAUTHFAILED:
    case ZINVALIDACL:
    case ZSESSIONCLOSEDREQUIRESASLAUTH:
        return error_hint(error_new("28000", "ZooKeeper refused access: %s", zerror(r->rc)),
                          "Its nodes were made by another user: see --coord-user.");
    default:
        return zk__unreachable(b->conn->z, zerror(r->rc));
    }
}

struct error *zk__wait(struct zk_batch *b, uint64_t deadline)
{
    pthread_mutex_lock(&b->lock);
    while (b->pending && clock_ms() < deadline)
        coord__cond_wait(&b->answered, &b->lock, deadline);
    bool late = b->pending > 0;
    pthread_mutex_unlock(&b->lock);
    if (late)
        return zk__unreachable(b->conn->z, "no answer in time");
    for (size_t i = 0; i < b->n; i++)
        TRY(check_reply(b, &b->replies[i]));
    return NULL;
}
