/*
 * coord: the coordination store behind one interface.
 *
 * A flat, ordered map from text keys to small byte values, changed only by atomic transactions;
 * every transaction that changes something raises the store's revision. It holds who serves
 * what (DESIGN.md, section 2); user data never passes through it.
 *
 *   coord_open        "embedded" (a SQLite file in this process), "etcd://host:port,host:port,..",
 * "etcds://.." (TLS), "zookeeper://host:port,.." coord_get, _list  linearizable reads coord_txn if
 * all compares hold, apply all operations coord_watch       every change under a prefix, in order,
 * none left out; re-established by itself coord_session     a lease kept alive by a thread; keys
 * put under it vanish with their owner coord_election    one leader at a time, with a fencing
 * compare for its transactions
 *
 * Errors, of every call that talks to the store:
 *   57P03 (E_UNAVAILABLE)    not reachable within timeout_ms; for a transaction: it did NOT happen
 *   08007 (E_COORD_UNKNOWN)  transactions only: sent, but no answer; it may or may not have
 * happened. Read again.
 *
 * Thread-safety: everything here may be called from any thread, also from inside callbacks, except
 * that a callback must not close the object that called it. Close watches, elections and sessions
 * before their coord.
 */
#pragma once

#include "base/base.h"

#define E_COORD_UNKNOWN "08007"

enum {
    COORD_KEY_MAX = 1024,
    COORD_VALUE_MAX = 384 * 1024, /* ZooKeeper takes 1 MB a request, and gets each value twice */
    COORD_TXN_MAX_OPS = 128,      /* compares, and operations, in one transaction */
    COORD_SESSION_TTL_MS = 5000,
};

struct coord;
struct coord_session;

/* Opens a store. `dir` is where `embedded` keeps its file (DIR/coord.db; created). For etcd and
 * ZooKeeper this only checks the URL: no connection is made yet. 22023 for a malformed URL, 55006
 * when another process has the file. */
struct error *coord_open(const char *url, const char *dir, struct coord **ret) MUST_CHECK;

/* How to prove oneself to the store, and it to us. All copied; all may be NULL. */
struct coord_security {
    const char *user, *password; /* etcd's; ZooKeeper's scheme "digest" */
    const char *ca;              /* etcds://: a file of certificates to trust; else the system's */
    const char *cert, *key;      /* etcds://: files, for a store that asks for ours */
};
/* 22023 for what the store has no use for; 0A000 for TLS to ZooKeeper. */
struct error *coord_open_secure(const char *url, const char *dir, const struct coord_security *s,
                                struct coord **ret) MUST_CHECK;
void coord_close(struct coord *c); /* NULL is fine */
const char *coord_url(const struct coord *c);

/* ---- reading ------------------------------------------------------------------------------ */

struct coord_kv {
    char *key;
    char *value; /* always followed by a 0 byte that is not counted */
    size_t value_len;
    uint64_t create_revision, mod_revision;
    uint64_t lease; /* of the session that owns it; 0: lasting */
};

struct coord_list {
    uint64_t revision; /* of the store when it was read */
    size_t n;
    struct coord_kv *kvs; /* by key */
};
void coord_list_done(struct coord_list *l);

/* One key: n is 0 or 1. */
struct error *coord_get(struct coord *c, const char *key, unsigned timeout_ms,
                        struct coord_list *ret) MUST_CHECK;
/* All keys that begin with `prefix`, as of one revision. Many come in several answers: the timeout
 * is each one's. */
struct error *coord_list(struct coord *c, const char *prefix, unsigned timeout_ms,
                         struct coord_list *ret) MUST_CHECK;

/* ---- transactions ------------------------------------------------------------------------- */

enum coord_compare_kind {
    COORD_ABSENT,  /* no such key */
    COORD_EXISTS,  /* there is one */
    COORD_UNMOVED, /* its mod_revision is `revision` (0: no such key) */
    COORD_CREATED, /* its create_revision is `revision` */
};
struct coord_compare {
    enum coord_compare_kind kind;
    const char *key;
    uint64_t revision;
};

enum coord_op_kind { COORD_PUT, COORD_DELETE /* nothing happens when it is absent */ };
struct coord_op {
    enum coord_op_kind kind;
    const char *key; /* each key once in a transaction */
    const char *value;
    size_t value_len;
    struct coord_session *session; /* COORD_PUT: the key vanishes with it; NULL: lasting */
};

/* *ret_succeeded: did the compares hold. *ret_revision (may be NULL): the store's afterwards. */
struct error *coord_txn(struct coord *c, const struct coord_compare *compares, size_t n_compares,
                        const struct coord_op *ops, size_t n_ops, unsigned timeout_ms,
                        bool *ret_succeeded, uint64_t *ret_revision) MUST_CHECK;

/* ---- watching ----------------------------------------------------------------------------- */

struct coord_event {
    bool deleted;
    struct coord_kv kv; /* deleted: key and mod_revision only */
};

/* Called from the watch's own thread, one call at a time. */
struct coord_watcher {
    void *ctx;
    /* Everything that changed up to `revision`; a transaction is never split over two calls. */
    void (*events)(void *ctx, uint64_t revision, const struct coord_event *events, size_t n);
    /* The changes since the last call can't be told any more (compaction, a store that was
     * replaced): load everything anew and return the revision of what was loaded, from where the
     * watch goes on. 0: failed; called again soon. */
    uint64_t (*resync)(void *ctx);
    /* The store became reachable or unreachable for this watch. May be NULL. */
    void (*connected)(void *ctx, bool connected);
};

struct coord_watch;
/* Changes with a revision greater than `after` (as coord_list gave it). */
struct error *coord_watch(struct coord *c, const char *prefix, uint64_t after,
                          const struct coord_watcher *watcher, struct coord_watch **ret) MUST_CHECK;
/* Returns when no callback runs any more. NULL is fine. */
void coord_watch_close(struct coord_watch *w);

/* ---- sessions ----------------------------------------------------------------------------- */

/* Called from the session's thread. Each may be NULL. */
struct coord_session_events {
    void *ctx;
    /* The lease could not be kept: keys may be gone. Comes before the store can have deleted them,
     * when clocks run alike. */
    void (*lost)(void *ctx);
    /* It holds again (the same or a new one), and keys of coord_session_put are back. */
    void (*restored)(void *ctx);
    /* A key of coord_session_put now belongs to somebody else and was given up. */
    void (*taken)(void *ctx, const char *key);
};

/* Returns when the lease is granted. */
struct error *coord_session_open(struct coord *c, unsigned ttl_ms, unsigned timeout_ms,
                                 const struct coord_session_events *events,
                                 struct coord_session **ret) MUST_CHECK;
/* Ends the lease, and so deletes its keys (best effort). NULL is fine. */
void coord_session_close(struct coord_session *s);
/* Holds, as far as this process can tell without asking. */
bool coord_session_alive(struct coord_session *s);
uint64_t coord_session_lease(struct coord_session *s); /* 0: lost */

/* Puts a key that lives with the session, and puts it again after the session was lost. The first
 * time *ret_taken is set, and nothing is done, when somebody else has the key, unless its
 * mod_revision is `take` (0: never). Later calls replace the value. */
struct error *coord_session_put(struct coord_session *s, const char *key, const char *value,
                                size_t value_len, uint64_t take, unsigned timeout_ms,
                                bool *ret_taken) MUST_CHECK;

/* ---- election ----------------------------------------------------------------------------- */

struct coord_election;
/* Campaigns for `key` (the winner's `name` is its value) until closed. `changed` is called from the
 * election's thread. */
struct error *coord_election_open(struct coord_session *s, const char *key, const char *name,
                                  void (*changed)(void *ctx, bool leader), void *ctx,
                                  struct coord_election **ret) MUST_CHECK;
/* Resigns. Close it before its session. NULL is fine. */
void coord_election_close(struct coord_election *e);
/* A compare that holds exactly as long as this leadership does; false: not the leader now. Its key
 * is the election's. */
bool coord_election_fence(struct coord_election *e, struct coord_compare *ret);
