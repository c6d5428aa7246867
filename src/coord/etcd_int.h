/* The etcd store, inside: HTTP calls and JSON in etcd_http.c, reads, transactions and leases in
 * etcd.c, watches in etcd_watch.c. */
#pragma once

#include "coord/coord_int.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdatomic.h>

enum { ETCD_POOL = 16, ETCD_ANSWER_MAX = 64 * 1024 * 1024 };

/* gRPC's codes, as the gateway reports them */
enum { GRPC_INVALID = 3, GRPC_NOT_FOUND = 5, GRPC_DENIED = 7, GRPC_EXHAUSTED = 8 };
enum { GRPC_OUT_OF_RANGE = 11, GRPC_UNIMPLEMENTED = 12, GRPC_UNAVAILABLE = 14 };
enum { GRPC_UNAUTHENTICATED = 16 };

struct etcd {
    struct coord base;
    char *hosts; /* as given, for messages */
    size_t n_endpoints;
    char *endpoints[COORD_MAX_MEMBERS];      /* "http://host:port" */
    atomic_size_t preferred;                 /* the endpoint that answered last */
    char *ca, *cert, *key, *user, *password; /* as in struct coord_security */
    pthread_mutex_t lock;
    /* guarded by lock: handles not in use; each keeps its connections */
    size_t n_idle;
    CURL *idle[ETCD_POOL];
    char *token; /* what etcd gave for user and password; NULL: none yet, or it is not good any more
                  */
};

/* Posts `request` (consumed) and parses the answer, trying endpoints in turn, and again, until one
 * answers or time is up. `repeatable` false: never sent a second time once a byte of it may have
 * arrived; 08007 then. When etcd itself refuses, *ret_code (may be NULL) is its gRPC code; else -1.
 */
struct error *etcd__call(struct etcd *e, const char *path, json_t *request, bool repeatable,
                         unsigned timeout_ms, json_t **ret, int *ret_code) MUST_CHECK;
/* The options that all our requests share. */
void etcd__setup(const struct etcd *e, CURL *h, const char *url);
/* With a user: the header that proves who we are (free with mem_free), got from etcd if need be.
 * NULL without one. False: etcd did not answer, or refused (*ret_code); `why` says so. */
bool etcd__authorization(struct etcd *e, size_t endpoint, uint64_t timeout_ms, char **ret,
                         int *ret_code, char why[CURL_ERROR_SIZE]);
/* The token was refused: get another one. */
void etcd__forget_token(struct etcd *e);
struct error *etcd__unreachable(const struct etcd *e, const char *why) MUST_CHECK;
struct error *etcd__nonsense(void) MUST_CHECK;

/* JSON as the gateway writes it: int64 as strings, zero fields left out, bytes in base64. False:
 * not so. */
bool etcd__u64(const json_t *object, const char *name, uint64_t *ret);
bool etcd__bytes(const json_t *object, const char *name, char **ret, size_t *ret_len);
json_t *etcd__json_bytes(const char *data, size_t len);
json_t *etcd__json_u64(uint64_t v);
/* A key-value; `deleted` ones have no value. False (nothing to free): malformed. */
bool etcd__kv(const json_t *object, struct coord_kv *ret);
bool etcd__revision(const json_t *answer, uint64_t *ret); /* of its header; false: none */

struct error *etcd__watch(struct coord *c, const char *prefix, uint64_t after,
                          const struct coord_watcher *watcher, struct coord_watch **ret);
/* The store's current revision, linearizable. */
struct error *etcd__current(struct etcd *e, unsigned timeout_ms, uint64_t *ret) MUST_CHECK;
