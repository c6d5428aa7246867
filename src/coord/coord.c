/*
 * The part of coord that all stores share: choosing one by its URL, checking what callers pass in,
 * and small helpers. The stores are embedded.c, etcd.c and zookeeper.c; session.c and election.c
 * work over any of them.
 */
#include "coord/coord_int.h"

#include <ctype.h>
#include <errno.h>
#include <time.h>

/* ---- choosing a store --------------------------------------------------------------------- */

static bool host_ok(const char *s, size_t n)
{
    size_t colon = n;
    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)s[i]) && !strchr(".-_:[]", s[i]))
            return false;
        if (s[i] == ':')
            colon = i;
    }
    if (colon == 0 || colon >= n - 1 || n - colon > 6)
        return false;
    for (size_t i = colon + 1; i < n; i++)
        if (!isdigit((unsigned char)s[i]))
            return false;
    int port = atoi(s + colon + 1);
    return port > 0 && port < 65536;
}

bool coord__hosts_ok(const char *hosts, size_t max)
{
    for (size_t i = 0; i < max; i++) {
        size_t n = strcspn(hosts, ",");
        if (!host_ok(hosts, n))
            return false;
        if (!hosts[n])
            return true;
        hosts += n + 1;
    }
    return false;
}

static const struct scheme {
    const char *name;
    bool tls;
    struct error *(*open)(const char *hosts, bool tls, const struct coord_security *s,
                          struct coord **ret);
} schemes[] = {{"etcd://", false, coord__etcd_open},
               {"etcds://", true, coord__etcd_open},
               {"zookeeper://", false, coord__zookeeper_open},
               {"zookeepers://", true, coord__zookeeper_open}};

static struct error *unknown_store(const char *url)
{
    return error_hint(error_new("22023", "unknown coordination store \"%s\"", url),
                      "Use embedded, etcd://host:port,host:port,... or "
                      "zookeeper://host:port,host:port,...");
}

/* What was said for a store that has no use for it was meant for another. */
static struct error *check_security(const char *url, bool tls, const struct coord_security *s)
{
    if (!tls && (s->ca || s->cert || s->key))
        return error_hint(error_new("22023", "certificates are given, but \"%s\" uses no TLS", url),
                          "Use etcds://host:port,...");
    if (!s->cert != !s->key)
        return error_new("22023", "a certificate and its private key are needed, or neither");
    if (!s->user != !s->password)
        return error_new("22023", "a user of the coordination store and a password are needed, or "
                                  "neither");
    return NULL;
}

static struct error *open_members(const struct scheme *scheme, const char *url,
                                  const struct coord_security *s, struct coord **ret)
{
    const char *hosts = url + strlen(scheme->name);
    if (strchr(hosts, '@')) /* what comes before it is not repeated */
        return error_hint(error_new("22023", "the coordination store's address holds an \"@\""),
                          "A user and a password are given with --coord-user and "
                          "--coord-password-file, not in the address.");
    if (!coord__hosts_ok(hosts, COORD_MAX_MEMBERS))
        return error_hint(error_new("22023", "malformed address list \"%s\"", url),
                          "Write %shost:port,host:port,... with at most %d members.", scheme->name,
                          COORD_MAX_MEMBERS);
    TRY(check_security(url, scheme->tls, s));
    return scheme->open(hosts, scheme->tls, s, ret);
}

static struct error *open_store(const char *url, const char *dir, const struct coord_security *s,
                                struct coord **ret)
{
    if (strcmp(url, "embedded") == 0) {
        TRY(check_security(url, false, s));
        if (s->user)
            return error_new("22023", "the embedded coordination store has no users");
        return coord__embedded_open(dir, ret);
    }
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (coord__has_prefix(url, schemes[i].name))
            return open_members(&schemes[i], url, s, ret);
    return unknown_store(url);
}

struct error *coord_open_secure(const char *url, const char *dir, const struct coord_security *s,
                                struct coord **ret)
{
    struct coord *c;
    TRY(open_store(url, dir, s, &c));
    c->url = mem_strdup(url);
    *ret = c;
    return NULL;
}

struct error *coord_open(const char *url, const char *dir, struct coord **ret)
{
    const struct coord_security none = {0};
    return coord_open_secure(url, dir, &none, ret);
}

void coord_close(struct coord *c)
{
    if (!c)
        return;
    mem_free(c->url);
    c->ops->free(c);
}

const char *coord_url(const struct coord *c)
{
    return c->url;
}

void coord_list_done(struct coord_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        coord__kv_done(&l->kvs[i]);
    mem_free(l->kvs);
    *l = (struct coord_list){0};
}

struct error *coord_get(struct coord *c, const char *key, unsigned timeout_ms,
                        struct coord_list *ret)
{
    return c->ops->range(c, key, false, timeout_ms, ret);
}

struct error *coord_list(struct coord *c, const char *prefix, unsigned timeout_ms,
                         struct coord_list *ret)
{
    return c->ops->range(c, prefix, true, timeout_ms, ret);
}

static struct error *check_key(const char *key)
{
    size_t n = strlen(key);
    if (n == 0 || n > COORD_KEY_MAX)
        return error_new(E_INTERNAL, "coordination key has %zu bytes, 1 to %d are allowed", n,
                         COORD_KEY_MAX);
    return NULL;
}

/* What etcd would refuse is refused for every store, and before anything is sent. */
static struct error *check_txn(const struct coord_compare *compares, size_t n_compares,
                               const struct coord_op *ops, size_t n_ops)
{
    if (n_compares > COORD_TXN_MAX_OPS || n_ops > COORD_TXN_MAX_OPS)
        return error_new("54000", "too many changes in one transaction of the catalog");
    for (size_t i = 0; i < n_compares; i++)
        TRY(check_key(compares[i].key));
    for (size_t i = 0; i < n_ops; i++) {
        TRY(check_key(ops[i].key));
        for (size_t j = 0; j < i; j++)
            if (strcmp(ops[i].key, ops[j].key) == 0)
                return error_new(E_INTERNAL, "coordination key \"%s\" appears twice", ops[i].key);
        if (ops[i].kind == COORD_PUT && ops[i].value_len > COORD_VALUE_MAX)
            return error_new("54000", "catalog record \"%s\" is too large (%zu bytes)", ops[i].key,
                             ops[i].value_len);
    }
    return NULL;
}

struct error *coord_txn(struct coord *c, const struct coord_compare *compares, size_t n_compares,
                        const struct coord_op *ops, size_t n_ops, unsigned timeout_ms,
                        bool *ret_succeeded, uint64_t *ret_revision)
{
    TRY(check_txn(compares, n_compares, ops, n_ops));
    uint64_t leases[COORD_TXN_MAX_OPS] = {0};
    for (size_t i = 0; i < n_ops; i++) {
        if (!ops[i].session)
            continue;
        leases[i] = coord_session_lease(ops[i].session);
        if (!leases[i])
            return coord__session_lost();
    }
    bool succeeded;
    uint64_t revision;
    TRY(c->ops->txn(c, compares, n_compares, ops, leases, n_ops, timeout_ms, &succeeded,
                    &revision));
    *ret_succeeded = succeeded;
    if (ret_revision)
        *ret_revision = revision;
    return NULL;
}

struct error *coord_watch(struct coord *c, const char *prefix, uint64_t after,
                          const struct coord_watcher *watcher, struct coord_watch **ret)
{
    return c->ops->watch(c, prefix, after, watcher, ret);
}

void coord_watch_close(struct coord_watch *w)
{
    if (w)
        w->close(w);
}

/* ---- helpers ------------------------------------------------------------------------------ */

char *coord__prefix_end(const char *prefix)
{
    char *end = mem_strdup(prefix);
    size_t n = strlen(end);
    while (n > 0 && (unsigned char)end[n - 1] == 0xff)
        n--;
    end[n] = 0;
    if (n > 0)
        end[n - 1] = (char)((unsigned char)end[n - 1] + 1);
    return end;
}

bool coord__has_prefix(const char *key, const char *prefix)
{
    return strncmp(key, prefix, strlen(prefix)) == 0;
}

void coord__kv_done(struct coord_kv *kv)
{
    mem_free(kv->key);
    mem_free(kv->value);
}

void coord__kv_copy(struct coord_kv *to, const struct coord_kv *from)
{
    *to = *from;
    to->key = mem_strdup(from->key);
    to->value = from->value ? mem_strndup(from->value, from->value_len) : NULL;
}

struct error *coord__session_lost(void)
{
    return error_hint(
        error_new(E_UNAVAILABLE, "this server's session with the coordination store was lost"),
        "It is renewed by itself once the store answers; try again.");
}

void coord__cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

bool coord__cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline_ms)
{
    struct timespec t = {.tv_sec = (time_t)(deadline_ms / 1000),
                         .tv_nsec = (long)(deadline_ms % 1000) * 1000000L};
    return pthread_cond_timedwait(cond, lock, &t) != ETIMEDOUT;
}
