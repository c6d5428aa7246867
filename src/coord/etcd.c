/*
 * The etcd store: reads, transactions and leases over etcd v3's JSON gateway (etcd 3.4 and later,
 * under /v3/). Needs no client library: curl and JSON (etcd_http.c). Watches are in etcd_watch.c.
 *
 * Long lists are read in pages, all as of the revision of the first, so that no answer grows
 * without bound.
 */
#include "coord/etcd_int.h"

enum { PAGE = 1000 };

/* ---- reading ------------------------------------------------------------------------------ */

static json_t *range_request(const char *key, size_t key_len, const char *end, uint64_t revision)
{
    json_t *request = json_pack("{s:o, s:i}", "key", etcd__json_bytes(key, key_len), "limit", PAGE);
    if (end) /* one zero byte: to the end of all keys */
        json_object_set_new(request, "range_end", etcd__json_bytes(end, *end ? strlen(end) : 1));
    if (revision)
        json_object_set_new(request, "revision", etcd__json_u64(revision));
    return request;
}

/* Appends the answer's keys to the list. */
static bool take_page(const json_t *answer, struct coord_list *l)
{
    if (!l->revision && !etcd__revision(answer, &l->revision))
        return false;
    const json_t *kvs = json_object_get(answer, "kvs");
    size_t n = json_array_size(kvs);
    l->kvs = mem_realloc(l->kvs, (l->n + n) * sizeof(*l->kvs));
    for (size_t i = 0; i < n; i++) {
        if (!etcd__kv(json_array_get(kvs, i), &l->kvs[l->n]))
            return false;
        l->n++;
    }
    return true;
}

static struct error *read_pages(struct etcd *e, const char *key, const char *end,
                                unsigned timeout_ms, struct coord_list *l, int *ret_code)
{
    for (bool more = true; more;) {
        /* the next page begins right after the last key: at the key and a zero byte */
        const char *from = l->n ? l->kvs[l->n - 1].key : key;
        size_t from_len = strlen(from) + (l->n ? 1 : 0);
        if (from_len == 0)
            from_len = 1;
        size_t before = l->n;
        json_t *answer;
        TRY(etcd__call(e, "/v3/kv/range", range_request(from, from_len, end, l->revision), true,
                       timeout_ms, &answer, ret_code));
        bool ok = take_page(answer, l);
        more = json_is_true(json_object_get(answer, "more")) && end;
        json_decref(answer);
        if (!ok || (more && l->n == before))
            return etcd__nonsense();
    }
    return NULL;
}

static struct error *etcd_range(struct coord *c, const char *key, bool prefix, unsigned timeout_ms,
                                struct coord_list *ret)
{
    struct etcd *e = (struct etcd *)c;
    uint64_t deadline = clock_ms() + timeout_ms;
    _cleanup_(mem_freep) char *end = prefix ? coord__prefix_end(key) : NULL;
    for (;;) {
        struct coord_list l = {0};
        int code = -1;
        struct error *error = read_pages(e, key, end, timeout_ms, &l, &code);
        if (!error) {
            *ret = l;
            return NULL;
        }
        coord_list_done(&l);
        if (code != GRPC_OUT_OF_RANGE || clock_ms() >= deadline)
            return error;
        error_free(error); /* compacted between two pages: from the start */
    }
}

struct error *etcd__current(struct etcd *e, unsigned timeout_ms, uint64_t *ret)
{
    json_t *request =
        json_pack("{s:o, s:b}", "key", etcd__json_bytes("/minisql/cluster", 16), "count_only", 1);
    json_t *answer;
    TRY(etcd__call(e, "/v3/kv/range", request, true, timeout_ms, &answer, NULL));
    bool ok = etcd__revision(answer, ret);
    json_decref(answer);
    return ok ? NULL : etcd__nonsense();
}

/* ---- transactions ------------------------------------------------------------------------- */

static json_t *compare_json(const struct coord_compare *compare)
{
    json_t *key = etcd__json_bytes(compare->key, strlen(compare->key));
    switch (compare->kind) {
    case COORD_ABSENT:
        return json_pack("{s:o, s:s, s:s}", "key", key, "target", "CREATE", "create_revision", "0");
    case COORD_EXISTS:
        return json_pack("{s:o, s:s, s:s, s:s}", "key", key, "target", "CREATE", "result",
                         "GREATER", "create_revision", "0");
    case COORD_UNMOVED:
        return json_pack("{s:o, s:s, s:o}", "key", key, "target", "MOD", "mod_revision",
                         etcd__json_u64(compare->revision));
    case COORD_CREATED:
        return json_pack("{s:o, s:s, s:o}", "key", key, "target", "CREATE", "create_revision",
                         etcd__json_u64(compare->revision));
    }
    return NULL;
}

static json_t *op_json(const struct coord_op *op, uint64_t lease)
{
    json_t *o = json_pack("{s:o}", "key", etcd__json_bytes(op->key, strlen(op->key)));
    if (op->kind == COORD_DELETE)
        return json_pack("{s:o}", "request_delete_range", o);
    json_object_set_new(o, "value", etcd__json_bytes(op->value, op->value_len));
    if (lease)
        json_object_set_new(o, "lease", etcd__json_u64(lease));
    return json_pack("{s:o}", "request_put", o);
}

static struct error *etcd_txn(struct coord *c, const struct coord_compare *compares,
                              size_t n_compares, const struct coord_op *ops, const uint64_t *leases,
                              size_t n_ops, unsigned timeout_ms, bool *ret_succeeded,
                              uint64_t *ret_revision)
{
    struct etcd *e = (struct etcd *)c;
    json_t *request = json_pack("{s:[], s:[]}", "compare", "success");
    for (size_t i = 0; i < n_compares; i++)
        json_array_append_new(json_object_get(request, "compare"), compare_json(&compares[i]));
    for (size_t i = 0; i < n_ops; i++)
        json_array_append_new(json_object_get(request, "success"), op_json(&ops[i], leases[i]));
    json_t *answer;
    int code = -1;
    struct error *error =
        etcd__call(e, "/v3/kv/txn", request, n_ops == 0, timeout_ms, &answer, &code);
    if (error && code == GRPC_NOT_FOUND) { /* the lease */
        error_free(error);
        return coord__session_lost();
    }
    TRY(error);
    *ret_succeeded = json_is_true(json_object_get(answer, "succeeded"));
    bool ok = etcd__revision(answer, ret_revision);
    json_decref(answer);
    if (ok)
        return NULL;
    error = etcd__nonsense();
    memcpy(error->sqlstate, E_COORD_UNKNOWN, sizeof(error->sqlstate));
    return error;
}

/* ---- leases ------------------------------------------------------------------------------- */

/* Takes ID and TTL from where they are in the answer. */
static bool take_lease(const json_t *o, uint64_t *ret_lease, unsigned *ret_ttl_ms)
{
    uint64_t ttl;
    if (!etcd__u64(o, "ID", ret_lease) || !etcd__u64(o, "TTL", &ttl) || ttl > 86400)
        return false;
    *ret_ttl_ms = (unsigned)ttl * 1000;
    return true;
}

static struct error *etcd_lease_grant(struct coord *c, unsigned ttl_ms, unsigned timeout_ms,
                                      uint64_t *ret_lease, unsigned *ret_ttl_ms)
{
    json_t *request = json_pack("{s:o}", "TTL", etcd__json_u64((ttl_ms + 999) / 1000));
    json_t *answer;
    TRY(etcd__call((struct etcd *)c, "/v3/lease/grant", request, true, timeout_ms, &answer, NULL));
    bool ok = take_lease(answer, ret_lease, ret_ttl_ms) && *ret_lease && *ret_ttl_ms;
    json_decref(answer);
    return ok ? NULL : etcd__nonsense();
}

static struct error *etcd_lease_keepalive(struct coord *c, uint64_t lease, unsigned timeout_ms,
                                          unsigned *ret_ttl_ms)
{
    json_t *request = json_pack("{s:o}", "ID", etcd__json_u64(lease));
    json_t *answer;
    TRY(etcd__call((struct etcd *)c, "/v3/lease/keepalive", request, true, timeout_ms, &answer,
                   NULL));
    uint64_t id;
    const json_t *result = json_object_get(answer, "result");
    bool ok = json_is_object(result) && take_lease(result, &id, ret_ttl_ms) && id == lease;
    json_decref(answer);
    return ok ? NULL : etcd__nonsense();
}

static struct error *etcd_lease_revoke(struct coord *c, uint64_t lease, unsigned timeout_ms)
{
    json_t *request = json_pack("{s:o}", "ID", etcd__json_u64(lease));
    json_t *answer;
    int code;
    struct error *error =
        etcd__call((struct etcd *)c, "/v3/lease/revoke", request, true, timeout_ms, &answer, &code);
    if (!error) {
        json_decref(answer);
    } else if (code == GRPC_NOT_FOUND) { /* it had run out */
        error_free(error);
        error = NULL;
    }
    return error;
}

/* ---- life --------------------------------------------------------------------------------- */

static void split_hosts(struct etcd *e, const char *hosts, bool tls)
{
    for (const char *s = hosts;;) {
        size_t n = strcspn(s, ",");
        e->endpoints[e->n_endpoints++] = mem_printf("%s://%.*s", tls ? "https" : "http", (int)n, s);
        if (!s[n])
            return;
        s += n + 1;
    }
}

static void etcd_free(struct coord *c)
{
    struct etcd *e = (struct etcd *)c;
    for (size_t i = 0; i < e->n_idle; i++)
        curl_easy_cleanup(e->idle[i]);
    for (size_t i = 0; i < e->n_endpoints; i++)
        mem_free(e->endpoints[i]);
    pthread_mutex_destroy(&e->lock);
    mem_free(e->hosts);
    mem_free(e->ca);
    mem_free(e->cert);
    mem_free(e->key);
    mem_free(e->user);
    mem_free(e->password);
    mem_free(e->token);
    mem_free(e);
}

static const struct coord_store_ops etcd_ops = {
    .free = etcd_free,
    .range = etcd_range,
    .txn = etcd_txn,
    .lease_grant = etcd_lease_grant,
    .lease_keepalive = etcd_lease_keepalive,
    .lease_revoke = etcd_lease_revoke,
    .watch = etcd__watch,
};

static void curl_start(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static char *copy(const char *s)
{
    return s ? mem_strdup(s) : NULL;
}

struct error *coord__etcd_open(const char *hosts, bool tls, const struct coord_security *s,
                               struct coord **ret)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, curl_start);
    struct etcd *e = NEW(struct etcd);
    e->base.ops = &etcd_ops;
    e->hosts = mem_strdup(hosts);
    pthread_mutex_init(&e->lock, NULL);
    split_hosts(e, hosts, tls);
    e->ca = copy(s->ca);
    e->cert = copy(s->cert);
    e->key = copy(s->key);
    e->user = copy(s->user);
    e->password = copy(s->password);
    *ret = &e->base;
    return NULL;
}
