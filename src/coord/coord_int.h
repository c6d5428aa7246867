/* coord, inside: what a store has to provide; sessions and elections are built on top of it, once.
 */
#pragma once

#include "coord/coord.h"

#include <pthread.h>

enum { COORD_MAX_MEMBERS = 16 };

/* One implementation of a store. Inputs were checked by coord.c. */
struct coord_store_ops {
    void (*free)(struct coord *c);
    /* `prefix`: all keys that begin with key */
    struct error *(*range)(struct coord *c, const char *key, bool prefix, unsigned timeout_ms,
                           struct coord_list *ret);
    /* leases[i] is that of ops[i]; a dead one makes the transaction fail with 57P03 */
    struct error *(*txn)(struct coord *c, const struct coord_compare *compares, size_t n_compares,
                         const struct coord_op *ops, const uint64_t *leases, size_t n_ops,
                         unsigned timeout_ms, bool *ret_succeeded, uint64_t *ret_revision);
    struct error *(*lease_grant)(struct coord *c, unsigned ttl_ms, unsigned timeout_ms,
                                 uint64_t *ret_lease, unsigned *ret_ttl_ms);
    /* *ret_ttl_ms 0: there is no such lease any more */
    struct error *(*lease_keepalive)(struct coord *c, uint64_t lease, unsigned timeout_ms,
                                     unsigned *ret_ttl_ms);
    struct error *(*lease_revoke)(struct coord *c, uint64_t lease, unsigned timeout_ms);
    struct error *(*watch)(struct coord *c, const char *prefix, uint64_t after,
                           const struct coord_watcher *watcher, struct coord_watch **ret);
};

/* The first member of each store's struct. */
struct coord {
    const struct coord_store_ops *ops;
    char *url;
};

/* The first member of each store's watch. */
struct coord_watch {
    void (*close)(struct coord_watch *w);
};

struct error *coord__embedded_open(const char *dir, struct coord **ret) MUST_CHECK;
struct error *coord__etcd_open(const char *hosts, bool tls, const struct coord_security *s,
                               struct coord **ret) MUST_CHECK;
struct error *coord__zookeeper_open(const char *hosts, bool tls, const struct coord_security *s,
                                    struct coord **ret) MUST_CHECK;
/* Are these host:port,host:port,.. with at most `max`? */
bool coord__hosts_ok(const char *hosts, size_t max);

/* The first key after all that begin with prefix; "" when there is no end. Free with mem_free. */
char *coord__prefix_end(const char *prefix);
bool coord__has_prefix(const char *key, const char *prefix);
void coord__kv_done(struct coord_kv *kv);
void coord__kv_copy(struct coord_kv *to, const struct coord_kv *from);
struct error *coord__session_lost(void) MUST_CHECK;
struct coord *coord__session_store(struct coord_session *s);

/* Condition variables on the monotonic clock. */
void coord__cond_init(pthread_cond_t *cond);
/* Waits until signalled or until clock_ms() reaches deadline_ms; false: the deadline came. */
bool coord__cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline_ms);
