/* The ZooKeeper store, inside: the scheme is told in zookeeper.c; connections and requests are in
 * zookeeper_conn.c, names and records in zookeeper_log.c, watches in zookeeper_watch.c. */
#pragma once

#include "coord/coord_int.h"

#include <stdatomic.h>
#include <zookeeper/zookeeper.h>

#define ZK_LOG "/minisql-changes"

enum {
    ZK_KEEP = 512,             /* records kept in the log of changes */
    ZK_REQUEST_MAX = 1000000,  /* below jute.maxbuffer's default, 0xfffff */
    ZK_SESSION_MS = 6000,      /* of connections that own no keys */
    ZK_REQUESTS_AT_ONCE = 512, /* read in one go */
};

struct zookeeper;

/* A connection: one session of ZooKeeper's. Counted: who uses one holds a reference. */
struct zk_conn {
    struct zookeeper *z;
    zhandle_t *zh;
    unsigned refs;   /* guarded by z->lock */
    bool introduced; /* guarded by z->lock: it knows our user */
    uint64_t lease;
    struct zk_conn *next; /* of z->leases */
};

struct zookeeper {
    struct coord base;
    char *hosts;
    char *digest;         /* "user:password"; NULL: none */
    pthread_mutex_t turn; /* one change at a time from this process: they would only race */
    pthread_mutex_t lock; /* taken after turn */
    /* guarded by lock */
    pthread_cond_t changed;
    uint64_t news;          /* rises with whatever a watch may want to look at */
    uint64_t stirs;         /* rises when session keys may have vanished, or aren't watched */
    struct zk_conn *common; /* for all that needs no lease; NULL: none now */
    struct zk_conn *leases;
};

/* ---- connections and requests (zookeeper_conn.c) ------------------------------------------ */

/* A session of its own; not connected yet. */
struct error *zk__conn_new(struct zookeeper *z, unsigned session_ms,
                           struct zk_conn **ret) MUST_CHECK;
/* The common connection, or that of a lease (57P03: it is gone). Give it back with conn_unref. */
struct error *zk__conn(struct zookeeper *z, uint64_t lease, struct zk_conn **ret) MUST_CHECK;
void zk__conn_unref(struct zk_conn *c);
/* Waits until it is connected; 57P03 at the deadline or when its session is over. */
struct error *zk__connected(struct zk_conn *c, uint64_t deadline) MUST_CHECK;
bool zk__expired(const struct zk_conn *c);

struct zk_reply {
    struct zk_batch *batch;
    int rc;
    char *data; /* followed by a 0 byte; NULL: the node has none */
    size_t len;
    struct Stat stat;
    struct String_vector names;
    zoo_op_result_t *results; /* of a multi */
};

/* Requests that are under way together. Lives on until the last is answered, whoever waits. */
struct zk_batch;
struct zk_batch *zk__batch_new(struct zk_conn *c, size_t n);
/* Each sends one request (answered in order), into the next reply. `watch`: a change of the node
 * raises z->news. */
void zk__sync(struct zk_batch *b);
void zk__get(struct zk_batch *b, const char *path, bool watch);
void zk__exists(struct zk_batch *b, const char *path, bool watch);
void zk__children(struct zk_batch *b, const char *path);
void zk__create(struct zk_batch *b, const char *path, const char *data, size_t len);
void zk__multi(struct zk_batch *b, zoo_op_t *ops, int n); /* the first is a set: its stat is told */
/* Waits for all answers. 57P03 when one didn't come (what was sent may have happened), 28000 when
 * access was refused; answers such as "no such node" are in the replies. */
struct error *zk__wait(struct zk_batch *b, uint64_t deadline) MUST_CHECK;
struct zk_reply *zk__reply(struct zk_batch *b, size_t i);
void zk__batch_done(struct zk_batch *b); /* the caller's part */
void zk__batch_donep(struct zk_batch **b);

const struct ACL_vector *zk__acl(const struct zookeeper *z);
struct error *zk__unreachable(const struct zookeeper *z, const char *why) MUST_CHECK;
struct error *zk__nonsense(const char *path) MUST_CHECK;
bool zk__wait_news(struct zookeeper *z, uint64_t seen, const bool *stop, uint64_t deadline);

/* ---- names and records (zookeeper_log.c) -------------------------------------------------- */

/* The node of a key, and the one beneath it that holds what the node itself can't. */
char *zk__path(const char *key);
char *zk__path_at(const char *key);
/* The name of a child, decoded; NULL: none of ours. */
char *zk__name(const char *element);
char *zk__log_path(uint32_t number);

/* What ZK_LOG itself says. */
struct zk_held {
    char *key;
    uint64_t lease;
};
struct zk_head {
    uint32_t number;   /* of the newest record; the node's version */
    uint32_t first;    /* the oldest record that is kept */
    uint64_t revision; /* the node's mzxid: the store's revision */
    size_t n_held;
    struct zk_held *held; /* every key that lives with a session, and which */
};
void zk__head_done(struct zk_head *h);
struct error *zk__head_parse(const struct zk_reply *reply, struct zk_head *ret) MUST_CHECK;
void zk__head_text(const struct zk_head *h, struct buf *to);
/* lease 0: the key is not held any more */
void zk__head_hold(struct zk_head *h, const char *key, uint64_t lease);

/* One record: who wrote it, and what changed. create_revision 0: with this very change. */
struct zk_record {
    uint64_t id, revision;
    size_t n;
    struct coord_event *events;
};
void zk__record_done(struct zk_record *r);
struct error *zk__record_parse(const struct zk_reply *reply, struct zk_record *ret) MUST_CHECK;
void zk__record_begin(struct buf *to, uint64_t id);
void zk__record_add(struct buf *to, const struct coord_event *event);

/* ---- the log (zookeeper_read.c, zookeeper_txn.c) ------------------------------------------- */

/* The head as one of the replies has it. *ret_there false: there is no log yet; one was made. */
struct error *zk__take_head(struct zk_conn *c, const struct zk_reply *reply, uint64_t deadline,
                            struct zk_head *ret, bool *ret_there) MUST_CHECK;
struct error *zk__read_head(struct zk_conn *c, bool sync, bool watch, uint64_t deadline,
                            struct zk_head *ret) MUST_CHECK;
/* *ret_found false: it was removed. */
struct error *zk__read_record(struct zk_conn *c, uint32_t number, uint64_t deadline,
                              struct zk_record *ret, bool *ret_found) MUST_CHECK;
struct error *zk__range(struct coord *c, const char *key, bool prefix, unsigned timeout_ms,
                        struct coord_list *ret);

struct error *zk__txn(struct coord *c, const struct coord_compare *compares, size_t n_compares,
                      const struct coord_op *ops, const uint64_t *leases, size_t n_ops,
                      unsigned timeout_ms, bool *ret_succeeded, uint64_t *ret_revision);
/* Records that session keys are gone, and removes them if `remove`; *ret_done false: something else
 * changed since `head` (used up) was read. */
struct error *zk__drop_held(struct zk_conn *c, struct zk_head *head, const struct zk_held *gone,
                            size_t n, bool remove, uint64_t deadline, bool *ret_done) MUST_CHECK;

struct error *zk__watch(struct coord *c, const char *prefix, uint64_t after,
                        const struct coord_watcher *watcher, struct coord_watch **ret);
