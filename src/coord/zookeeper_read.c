/*
 * Reading from the ZooKeeper store: the log, one key, and lists as of one revision.
 *
 * A list is many requests, and changes go on meanwhile. So the log's head is read before and after:
 * what was read is fuzzy exactly in the keys that the records in between name, and these records
 * say what became of them.
 */
#include "coord/zookeeper_int.h"

#include <stdio.h>

/* ---- the log ------------------------------------------------------------------------------ */

struct error *zk__take_head(struct zk_conn *c, const struct zk_reply *reply, uint64_t deadline,
                            struct zk_head *ret, bool *ret_there)
{
    *ret_there = reply->rc == ZOK;
    if (reply->rc == ZOK)
        return zk__head_parse(reply, ret);
    _cleanup_(zk__batch_donep) struct zk_batch *b = zk__batch_new(c, 1);
    zk__create(b, ZK_LOG, "first 1\n", 8);
    return zk__wait(b, deadline);
}

struct error *zk__read_head(struct zk_conn *c, bool sync, bool watch, uint64_t deadline,
                            struct zk_head *ret)
{
    for (bool there = false; !there;) {
        _cleanup_(zk__batch_donep) struct zk_batch *b = zk__batch_new(c, 2);
        if (sync)
            zk__sync(b);
        zk__get(b, ZK_LOG, watch);
        TRY(zk__wait(b, deadline));
        TRY(zk__take_head(c, zk__reply(b, sync ? 1 : 0), deadline, ret, &there));
    }
    return NULL;
}

struct error *zk__read_record(struct zk_conn *c, uint32_t number, uint64_t deadline,
                              struct zk_record *ret, bool *ret_found)
{
    _cleanup_(zk__batch_donep) struct zk_batch *b = zk__batch_new(c, 1);
    _cleanup_(mem_freep) char *path = zk__log_path(number);
    zk__get(b, path, false);
    TRY(zk__wait(b, deadline));
    *ret_found = zk__reply(b, 0)->rc == ZOK;
    return *ret_found ? zk__record_parse(zk__reply(b, 0), ret) : NULL;
}

/* ---- lists -------------------------------------------------------------------------------- */

static void take_kv(const char *key, const struct zk_reply *r, struct coord_list *l)
{
    l->kvs = mem_realloc(l->kvs, (l->n + 1) * sizeof(*l->kvs));
    l->kvs[l->n++] = (struct coord_kv){.key = mem_strdup(key),
                                       .value = mem_strndup(r->data, r->len),
                                       .value_len = r->len,
                                       .create_revision = (uint64_t)r->stat.czxid,
                                       .mod_revision = (uint64_t)r->stat.mzxid,
                                       .lease = (uint64_t)r->stat.ephemeralOwner};
}

/* One key, and the head before and after it. `beneath`: look for its value in "@". */
static struct error *get_once(struct zk_conn *c, const char *key, bool beneath, uint64_t deadline,
                              struct coord_list *l, bool *ret_done)
{
    _cleanup_(zk__batch_donep) struct zk_batch *b = zk__batch_new(c, 4);
    _cleanup_(mem_freep) char *path = beneath ? zk__path_at(key) : zk__path(key);
    zk__sync(b);
    zk__get(b, ZK_LOG, false);
    zk__get(b, path, false);
    zk__get(b, ZK_LOG, false);
    TRY(zk__wait(b, deadline));
    struct zk_head head = {0};
    TRY(zk__take_head(c, zk__reply(b, 1), deadline, &head, ret_done));
    uint64_t revision = head.revision;
    zk__head_done(&head);
    const struct zk_reply *node = zk__reply(b, 2), *after = zk__reply(b, 3);
    if (*ret_done && !beneath && !node->data && node->stat.numChildren > 0)
        return get_once(c, key, true, deadline, l, ret_done);
    *ret_done = *ret_done && after->rc == ZOK && (uint64_t)after->stat.mzxid == revision;
    l->revision = revision;
    if (*ret_done && node->data)
        take_kv(key, node, l);
    return NULL;
}

/* The nodes of one level of the tree that are still to be read. */
struct level {
    size_t n;
    char **paths, **keys; /* a path that ends in "/@" holds the value of its parent's key */
};

static void level_done(struct level *l)
{
    for (size_t i = 0; i < l->n; i++) {
        mem_free(l->paths[i]);
        mem_free(l->keys[i]);
    }
    mem_free(l->paths);
    mem_free(l->keys);
    *l = (struct level){0};
}

/* Takes both over. */
static void level_add(struct level *l, char *path, char *key)
{
    l->paths = mem_realloc(l->paths, (l->n + 1) * sizeof(*l->paths));
    l->keys = mem_realloc(l->keys, (l->n + 1) * sizeof(*l->keys));
    l->paths[l->n] = path;
    l->keys[l->n++] = key;
}

/* Can the node with this key, or something beneath it, have the prefix? */
static bool leads_to(const char *key, const char *prefix)
{
    size_t n = strlen(key);
    return coord__has_prefix(key, prefix) || (strncmp(prefix, key, n) == 0 && prefix[n] == '/');
}

static void add_child(struct level *next, const char *path, const char *key, const char *element,
                      const char *prefix)
{
    bool root = !*key;
    if (root && (strcmp(element, "zookeeper") == 0 || strcmp(element, &ZK_LOG[1]) == 0))
        return;
    _cleanup_(mem_freep) char *name = zk__name(element);
    if (!name)
        return;
    bool at = strcmp(element, "@") == 0;
    char *child = at ? mem_strdup(key) : mem_printf("%s/%s", key, name);
    if (leads_to(child, prefix))
        level_add(next, mem_printf("%s/%s", root ? "" : path, element), child);
    else
        mem_free(child);
}

/* Reads nodes first .. end of a level: values into the list, children into the next level. */
static struct error *read_nodes(struct zk_conn *c, const struct level *l, size_t first, size_t end,
                                const char *prefix, uint64_t deadline, struct coord_list *list,
                                struct level *next)
{
    _cleanup_(zk__batch_donep) struct zk_batch *values = zk__batch_new(c, end - first);
    for (size_t i = first; i < end; i++)
        zk__get(values, l->paths[i], false);
    TRY(zk__wait(values, deadline));
    _cleanup_(zk__batch_donep) struct zk_batch *children = zk__batch_new(c, end - first);
    _cleanup_(mem_freep) size_t *parent = mem_alloc((end - first) * sizeof(size_t));
    size_t n = 0;
    for (size_t i = first; i < end; i++) {
        const struct zk_reply *r = zk__reply(values, i - first);
        if (r->data && coord__has_prefix(l->keys[i], prefix) && *l->keys[i])
            take_kv(l->keys[i], r, list);
        if (r->rc == ZOK && r->stat.numChildren > 0) {
            zk__children(children, l->paths[i]);
            parent[n++] = i;
        }
    }
    TRY(zk__wait(children, deadline));
    for (size_t i = 0; i < n; i++) {
        const struct zk_reply *r = zk__reply(children, i);
        for (int j = 0; j < r->names.count; j++)
            add_child(next, l->paths[parent[i]], l->keys[parent[i]], r->names.data[j], prefix);
    }
    return NULL;
}

/* Everything with the prefix, in no order, some of it maybe newer than the rest. */
static struct error *walk(struct zk_conn *c, const char *prefix, uint64_t deadline,
                          struct coord_list *list)
{
    _cleanup_(level_done) struct level level = {0};
    const char *slash = strrchr(prefix, '/');
    char *top = mem_strndup(prefix, slash ? (size_t)(slash - prefix) : 0);
    level_add(&level, *top ? zk__path(top) : mem_strdup("/"), top);
    while (level.n > 0) {
        _cleanup_(level_done) struct level next = {0};
        for (size_t i = 0; i < level.n; i += ZK_REQUESTS_AT_ONCE)
            TRY(read_nodes(c, &level, i, MIN(i + ZK_REQUESTS_AT_ONCE, level.n), prefix, deadline,
                           list, &next));
        struct level done = level;
        level = next;
        next = done;
    }
    return NULL;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct coord_kv *)a)->key, ((const struct coord_kv *)b)->key);
}

static void sort(struct coord_list *l)
{
    if (l->n)
        qsort(l->kvs, l->n, sizeof(*l->kvs), by_key);
}

static size_t find(const struct coord_list *l, const char *key, bool *ret_found)
{
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(l->kvs[middle].key, key);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = false;
    return low;
}

/* A change that happened while (or before) the list was read, into the sorted list. */
static void replay(struct coord_list *l, const struct coord_event *event)
{
    bool found;
    size_t at = find(l, event->kv.key, &found);
    if (found) {
        coord__kv_done(&l->kvs[at]);
        if (event->deleted) {
            l->n--;
            memmove(&l->kvs[at], &l->kvs[at + 1], (l->n - at) * sizeof(*l->kvs));
        }
    } else if (!event->deleted) {
        l->kvs = mem_realloc(l->kvs, (l->n + 1) * sizeof(*l->kvs));
        memmove(&l->kvs[at + 1], &l->kvs[at], (l->n - at) * sizeof(*l->kvs));
        l->n++;
    }
    if (!event->deleted)
        coord__kv_copy(&l->kvs[at], &event->kv);
}

/* Brings what was read since record `from` up to the head. False: the log is too short. */
static struct error *catch_up(struct zk_conn *c, uint32_t from, const char *prefix,
                              uint64_t deadline, struct coord_list *l, bool *ret_done)
{
    struct zk_head head = {0};
    TRY(zk__read_head(c, false, false, deadline, &head));
    uint32_t to = head.number;
    l->revision = head.revision;
    zk__head_done(&head);
    *ret_done = true;
    for (uint32_t i = from; i != to && *ret_done; i++) {
        struct zk_record record = {0};
        TRY(zk__read_record(c, i + 1, deadline, &record, ret_done));
        for (size_t j = 0; j < record.n; j++)
            if (coord__has_prefix(record.events[j].kv.key, prefix))
                replay(l, &record.events[j]);
        zk__record_done(&record);
    }
    return NULL;
}

static struct error *list_once(struct zk_conn *c, const char *prefix, uint64_t deadline,
                               struct coord_list *l, bool *ret_done)
{
    struct zk_head head = {0};
    TRY(zk__read_head(c, true, false, deadline, &head));
    uint32_t from = head.number;
    zk__head_done(&head);
    TRY(walk(c, prefix, deadline, l));
    sort(l);
    return catch_up(c, from, prefix, deadline, l, ret_done);
}

struct error *zk__range(struct coord *coord, const char *key, bool prefix, unsigned timeout_ms,
                        struct coord_list *ret)
{
    struct zookeeper *z = (struct zookeeper *)coord;
    uint64_t deadline = clock_ms() + timeout_ms;
    for (;;) {
        struct zk_conn *c;
        struct coord_list l = {0};
        bool done = false;
        TRY(zk__conn(z, 0, &c));
        struct error *e = zk__connected(c, deadline);
        if (!e)
            e = prefix ? list_once(c, key, deadline, &l, &done)
                       : get_once(c, key, false, deadline, &l, &done);
        zk__conn_unref(c);
        if (!e && done) {
            *ret = l;
            return NULL;
        }
        coord_list_done(&l);
        if (e && (!error_is(e, E_UNAVAILABLE) || clock_ms() >= deadline))
            return e;
        if (!e && clock_ms() >= deadline)
            return zk__unreachable(z, "it changes faster than it can be read");
        sleep_ms(e ? 20 : 0);
        error_free(e);
    }
}
