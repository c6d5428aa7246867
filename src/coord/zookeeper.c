/*
 * The ZooKeeper store (3.5 and later), over its C client. Keys are nodes, so that an operator finds
 * with zkCli what is meant to be found:
 *
 *   /minisql/tables/12           a lasting key: its value is the node's
 *   /minisql/servers/s1          a node without a value: no key, only a place in the tree
 *   /minisql/servers/s1/@        the value of key /minisql/servers/s1, which lives with a session:
 *                                an ephemeral node, which can't have children; so s1 itself can
 *   /minisql-changes             the log of changes: its head
 *   /minisql-changes/0000000017  one transaction: each key that it put, with its value, or deleted
 *
 * ZooKeeper orders all changes but remembers none of them: there is no list as of one revision, no
 * watch that tells what it missed, and versions of a node begin anew when it is created anew. The
 * log provides all that, by two rules:
 *
 *  1. Each transaction is one multi, which also creates record n + 1 and sets the head *if its
 *     version is n*. So transactions have one order; whoever read something at head n and whose
 *     multi is accepted knows that nothing had changed. That costs concurrency, not safety: of
 *     several that try at once one wins and the others look again (some 300 a second in all).
 *  2. The last ZK_KEEP records are kept. A watch reads one after the other (zookeeper_watch.c); a
 *     list, which takes many requests, replays those that came meanwhile (zookeeper_read.c).
 *
 * Revisions are zxids: a key's create_revision and mod_revision are its node's czxid and mzxid, the
 * store's revision is the head's mzxid. All nodes of a multi get the same. In contrast to etcd, a
 * key that passes to another session counts as created anew.
 *
 * What changes without a record:
 *  - Nodes of a session vanish when it ends. The head names all of them and their sessions; a watch
 *    that sees one gone writes the record. Until then reads don't see the key, and compares don't
 *    hold: the end of a session is visible early to who asks, and told in order to who watches.
 *  - Somebody changes nodes by hand. Reads see it, transactions compare with it, no watch is told.
 *
 * A lease is a session of ZooKeeper's own, with its own connection: ephemeral nodes belong to the
 * session that created them, and a transaction that puts keys under a lease goes through its
 * connection. So ZooKeeper itself fences those of a session that is over.
 */
#include "coord/zookeeper_int.h"

#include <ctype.h>

/* ---- leases ------------------------------------------------------------------------------- */

static struct error *zk_lease_grant(struct coord *c, unsigned ttl_ms, unsigned timeout_ms,
                                    uint64_t *ret_lease, unsigned *ret_ttl_ms)
{
    struct zookeeper *z = (struct zookeeper *)c;
    struct zk_conn *conn;
    TRY(zk__conn_new(z, ttl_ms, &conn));
    struct error *e = zk__connected(conn, clock_ms() + timeout_ms);
    if (e) {
        zk__conn_unref(conn);
        return e;
    }
    conn->lease = (uint64_t)zoo_client_id(conn->zh)->client_id;
    *ret_lease = conn->lease;
    *ret_ttl_ms = (unsigned)zoo_recv_timeout(conn->zh);
    pthread_mutex_lock(&z->lock);
    conn->next = z->leases;
    z->leases = conn;
    pthread_mutex_unlock(&z->lock);
    return NULL;
}

static void forget_lease(struct zookeeper *z, struct zk_conn *conn)
{
    bool found = false;
    pthread_mutex_lock(&z->lock);
    for (struct zk_conn **p = &z->leases; *p && !found; p = &(*p)->next) {
        if (*p == conn) {
            *p = conn->next;
            found = true;
            break;
        }
    }
    pthread_mutex_unlock(&z->lock);
    if (found)
        zk__conn_unref(conn);
}

/* A sync goes to the leader, which alone ends sessions. The member that we talk to tells it of us
 * twice a tick, so that it knows at least of our round before this one: a third less is safe. */
static struct error *renew(struct zk_conn *conn, unsigned timeout_ms, unsigned *ret_ttl_ms)
{
    _cleanup_(zk__batch_donep) struct zk_batch *b = zk__batch_new(conn, 1);
    zk__sync(b);
    struct error *e = zk__wait(b, clock_ms() + timeout_ms);
    if (e && zk__expired(conn)) {
        error_free(e);
        *ret_ttl_ms = 0;
        return NULL;
    }
    *ret_ttl_ms = (unsigned)zoo_recv_timeout(conn->zh) * 2 / 3;
    return e;
}

static struct error *zk_lease_keepalive(struct coord *c, uint64_t lease, unsigned timeout_ms,
                                        unsigned *ret_ttl_ms)
{
    struct zookeeper *z = (struct zookeeper *)c;
    struct zk_conn *conn;
    struct error *e = zk__conn(z, lease, &conn);
    if (e) {
        error_free(e);
        *ret_ttl_ms = 0;
        return NULL;
    }
    e = renew(conn, timeout_ms, ret_ttl_ms);
    if (!e && *ret_ttl_ms == 0)
        forget_lease(z, conn);
    zk__conn_unref(conn);
    return e;
}

/* Deletes the keys of a lease, with a record. */
static struct error *drop_keys(struct zk_conn *conn, uint64_t deadline)
{
    for (bool done = false; !done;) {
        _cleanup_(zk__head_done) struct zk_head head = {0};
        TRY(zk__read_head(conn, true, false, deadline, &head));
        struct zk_held *held = mem_zalloc((head.n_held + 1) * sizeof(*held));
        size_t n = 0;
        for (size_t i = 0; i < head.n_held; i++)
            if (head.held[i].lease == conn->lease)
                held[n++] = (struct zk_held){mem_strdup(head.held[i].key), conn->lease};
        done = n == 0;
        struct error *e = n ? zk__drop_held(conn, &head, held, n, true, deadline, &done) : NULL;
        for (size_t i = 0; i < n; i++)
            mem_free(held[i].key);
        mem_free(held);
        TRY(e);
        if (!done && clock_ms() >= deadline)
            return zk__unreachable(conn->z, "others keep changing it");
    }
    return NULL;
}

static struct error *zk_lease_revoke(struct coord *c, uint64_t lease, unsigned timeout_ms)
{
    struct zookeeper *z = (struct zookeeper *)c;
    struct zk_conn *conn;
    struct error *e = zk__conn(z, lease, &conn);
    if (e) { /* it had run out */
        error_free(e);
        return NULL;
    }
    e = drop_keys(conn, clock_ms() + timeout_ms);
    forget_lease(z, conn);
    zk__conn_unref(conn); /* ends the session, and with it keys that are left */
    return e;
}

/* ---- life --------------------------------------------------------------------------------- */

static void zk_free(struct coord *c)
{
    struct zookeeper *z = (struct zookeeper *)c;
    while (z->leases)
        forget_lease(z, z->leases);
    zk__conn_unref(z->common);
    pthread_cond_destroy(&z->changed);
    pthread_mutex_destroy(&z->lock);
    pthread_mutex_destroy(&z->turn);
    mem_free(z->digest);
    mem_free(z->hosts);
    mem_free(z);
}

static const struct coord_store_ops zookeeper_ops = {
    .free = zk_free,
    .range = zk__range,
    .txn = zk__txn,
    .lease_grant = zk_lease_grant,
    .lease_keepalive = zk_lease_keepalive,
    .lease_revoke = zk_lease_revoke,
    .watch = zk__watch,
};

struct error *coord__zookeeper_open(const char *hosts, bool tls, const struct coord_security *s,
                                    struct coord **ret)
{
    if (tls)
        return error_hint(error_new(E_UNSUPPORTED, "TLS to ZooKeeper is not supported"),
                          "Debian builds its client library without it: use zookeeper:// on a "
                          "private network or through a tunnel, or etcds://.");
    zoo_set_debug_level((ZooLogLevel)0); /* what matters comes back as an error */
    struct zookeeper *z = NEW(struct zookeeper);
    z->base.ops = &zookeeper_ops;
    z->hosts = mem_strdup(hosts);
    if (s->user)
        z->digest = mem_printf("%s:%s", s->user, s->password);
    pthread_mutex_init(&z->lock, NULL);
    pthread_mutex_init(&z->turn, NULL);
    coord__cond_init(&z->changed);
    *ret = &z->base;
    return NULL;
}
