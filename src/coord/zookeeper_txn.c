/*
 * Changes of the ZooKeeper store: read what the transaction is about, work out what is to be done,
 * do it in one multi that is fenced by the version of the log's head, and anew when somebody else
 * was faster.
 *
 *   READING -> SENT      [attempt]  the compares hold
 *   READING -> DONE      [attempt]  a compare does not hold, or nothing is to be done
 *   SENT -> DONE         [attempt]  the multi was applied
 *   SENT -> READING      [attempt]  it was refused: another record came first; or no answer came
 *   READING -> DONE      [settle]   the record after the fence is our own: it had been applied
 *
 * All attempts between two records carry the same fence and the same id. So at most one of them is
 * applied, and when a record has that number, it shows by its id whether it is ours. Only when time
 * is up before that shows is the outcome unknown.
 */
#include "coord/zookeeper_int.h"

#include <time.h>

/* What is known of a key. Its value lies in its own node, or in "@" beneath it. */
struct place {
    const char *key;
    char *path, *path_at;
    bool node; /* its own node is there, and has so many children */
    int children;
    bool value, at; /* there is a value; it lies in "@" */
    struct Stat stat;
};

/* One transaction, over all attempts. */
struct change {
    struct zookeeper *z;
    const struct coord_compare *compares;
    const struct coord_op *ops;
    const uint64_t *leases;
    size_t n_compares, n_ops;
    uint64_t lease; /* that all its session keys have; 0: none */
    uint64_t deadline;
    uint64_t id;
    bool sent; /* after record `fence`, without an answer */
    uint32_t fence;
    bool keep_oldest; /* the record that should be removed is gone already */
    bool succeeded;
    uint64_t revision;
    size_t n_places;
    struct place places[2 * COORD_TXN_MAX_OPS];
};

/* ---- one multi ---------------------------------------------------------------------------- */

/* ops: the fence, the record, then whatever was added. */
struct commit {
    struct zk_head *head;
    const struct ACL_vector *acl;
    struct buf record, text;
    zoo_op_t *ops;
    int n;
    size_t bytes;
    bool removes_oldest;
    char *record_path, *oldest_path;
};

static void commit_begin(struct commit *m, struct zk_conn *c, struct zk_head *head, uint64_t id,
                         size_t max_ops)
{
    *m = (struct commit){.head = head, .acl = zk__acl(c->z), .n = 2};
    m->ops = mem_zalloc((max_ops + 3) * sizeof(*m->ops));
    m->record_path = zk__log_path(head->number + 1);
    zk__record_begin(&m->record, id);
}

static void commit_done(struct commit *m)
{
    buf_done(&m->record);
    buf_done(&m->text);
    mem_free(m->ops);
    mem_free(m->record_path);
    mem_free(m->oldest_path);
}

static void add_set(struct commit *m, const char *path, const char *value, size_t len, int version)
{
    zoo_set_op_init(&m->ops[m->n++], path, value, value ? (int)len : -1, version, NULL);
    m->bytes += strlen(path) + len;
}

static void add_create(struct commit *m, const char *path, const char *value, size_t len,
                       bool ephemeral)
{
    zoo_create_op_init(&m->ops[m->n++], path, value, (int)len, m->acl,
                       ephemeral ? ZOO_EPHEMERAL : ZOO_PERSISTENT, NULL, 0);
    m->bytes += strlen(path) + len;
}

static void add_delete(struct commit *m, const char *path, int version)
{
    zoo_delete_op_init(&m->ops[m->n++], path, version);
    m->bytes += strlen(path);
}

/* Fills in the fence, the record and the removal of the oldest, and sends it all. Any answer but
 * 57P03 is in the reply. */
static struct error *commit_send(struct commit *m, struct zk_batch *b, bool keep_oldest,
                                 uint64_t deadline)
{
    struct zk_head *head = m->head;
    if (head->number + 1 - head->first >= ZK_KEEP) {
        m->oldest_path = zk__log_path(head->first++);
        m->removes_oldest = !keep_oldest;
        if (m->removes_oldest)
            add_delete(m, m->oldest_path, -1);
    }
    zk__head_text(head, &m->text);
    m->bytes += m->text.len + m->record.len + 100 * (size_t)m->n;
    if (m->bytes > ZK_REQUEST_MAX)
        return error_hint(error_new("54000",
                                    "too much to change in one transaction of the catalog "
                                    "(%zu bytes)",
                                    m->bytes),
                          "ZooKeeper takes requests of up to %d bytes.", ZK_REQUEST_MAX);
    zoo_set_op_init(&m->ops[0], ZK_LOG, m->text.data, (int)m->text.len, (int)head->number, NULL);
    zoo_create_op_init(&m->ops[1], m->record_path, m->record.data, (int)m->record.len, m->acl,
                       ZOO_PERSISTENT, NULL, 0);
    zk__multi(b, m->ops, m->n);
    return zk__wait(b, deadline);
}

/* ---- what is there, and what is to be done ------------------------------------------------- */

static struct place *place_of(struct change *ch, const char *key)
{
    for (size_t i = 0; i < ch->n_places; i++)
        if (strcmp(ch->places[i].key, key) == 0)
            return &ch->places[i];
    struct place *p = &ch->places[ch->n_places++];
    *p = (struct place){.key = key, .path = zk__path(key), .path_at = zk__path_at(key)};
    return p;
}

/* Reads values that lie in "@": beneath nodes without one of their own. */
static struct error *read_beneath(struct change *ch, struct zk_conn *c)
{
    _cleanup_(zk__batch_donep) struct zk_batch *b = zk__batch_new(c, ch->n_places);
    for (size_t i = 0; i < ch->n_places; i++)
        if (!ch->places[i].value && ch->places[i].children > 0)
            zk__get(b, ch->places[i].path_at, false);
    TRY(zk__wait(b, ch->deadline));
    for (size_t i = 0, n = 0; i < ch->n_places; i++) {
        struct place *p = &ch->places[i];
        if (p->value || p->children == 0)
            continue;
        const struct zk_reply *r = zk__reply(b, n++);
        p->value = p->at = r->data;
        p->stat = r->stat;
    }
    return NULL;
}

/* Reads the head and all places, as of the leader's state or later. */
static struct error *read_places(struct change *ch, struct zk_conn *c, struct zk_head *ret)
{
    for (bool there = false; !there;) {
        _cleanup_(zk__batch_donep) struct zk_batch *b = zk__batch_new(c, 2 + ch->n_places);
        zk__sync(b);
        zk__get(b, ZK_LOG, false);
        for (size_t i = 0; i < ch->n_places; i++)
            zk__get(b, ch->places[i].path, false);
        TRY(zk__wait(b, ch->deadline));
        TRY(zk__take_head(c, zk__reply(b, 1), ch->deadline, ret, &there));
        for (size_t i = 0; i < ch->n_places; i++) {
            const struct zk_reply *r = zk__reply(b, 2 + i);
            struct place *p = &ch->places[i];
            p->node = r->rc == ZOK;
            p->children = p->node ? r->stat.numChildren : 0;
            p->value = r->data;
            p->at = false;
            p->stat = r->stat;
        }
    }
    struct error *e = read_beneath(ch, c);
    if (e)
        zk__head_done(ret);
    return e;
}

static bool holds(const struct place *p, const struct coord_compare *compare)
{
    switch (compare->kind) {
    case COORD_ABSENT:
        return !p->value;
    case COORD_EXISTS:
        return p->value;
    case COORD_UNMOVED:
        return (p->value ? (uint64_t)p->stat.mzxid : 0) == compare->revision;
    case COORD_CREATED:
        return (p->value ? (uint64_t)p->stat.czxid : 0) == compare->revision;
    }
    return false;
}

static bool is_changed(const struct change *ch, const char *key)
{
    for (size_t i = 0; i < ch->n_ops; i++)
        if (strcmp(ch->ops[i].key, key) == 0)
            return true;
    return false;
}

/* The fence says that no record came between; that no session ended, and nobody changed the key by
 * hand, these say. */
static void add_checks(struct change *ch, struct commit *m)
{
    for (size_t i = 0; i < ch->n_compares; i++) {
        const struct place *p = place_of(ch, ch->compares[i].key);
        if (p->value && !is_changed(ch, p->key))
            zoo_check_op_init(&m->ops[m->n++], p->at ? p->path_at : p->path, p->stat.version);
    }
}

static void add_put(struct change *ch, struct commit *m, size_t i)
{
    const struct coord_op *op = &ch->ops[i];
    const struct place *p = place_of(ch, op->key);
    uint64_t lease = ch->leases[i], owner = p->value ? (uint64_t)p->stat.ephemeralOwner : 0;
    const char *value = op->value_len ? op->value : "";
    bool stays = p->value && owner == lease && (p->at || !lease);
    if (stays) {
        add_set(m, p->at ? p->path_at : p->path, value, op->value_len, p->stat.version);
    } else {
        if (p->at)
            add_delete(m, p->path_at, p->stat.version);
        else if (p->value) /* its node gets children now, or has some */
            add_set(m, p->path, NULL, 0, p->stat.version);
        bool at = lease || p->node; /* a node that was there before would tell a false czxid */
        add_create(m, at ? p->path_at : p->path, value, op->value_len, lease != 0);
    }
    zk__head_hold(m->head, op->key, lease);
    struct coord_event event = {.kv = {.key = (char *)op->key,
                                       .value = (char *)value,
                                       .value_len = op->value_len,
                                       .create_revision = stays ? (uint64_t)p->stat.czxid : 0,
                                       .lease = lease}};
    zk__record_add(&m->record, &event);
}

/* Will the node have no children once all deletes before it are done? */
static bool gets_childless(struct change *ch, const struct place *p)
{
    int left = p->children;
    size_t n = strlen(p->key);
    for (size_t i = 0; i < ch->n_ops; i++) {
        const char *key = ch->ops[i].key;
        if (strncmp(key, p->key, n) != 0 || key[n] != '/')
            continue;
        const struct place *child = place_of(ch, key);
        if (ch->ops[i].kind == COORD_PUT)
            return false;
        if (child->value && !child->at && child->children == 0 && !strchr(key + n + 1, '/'))
            left--;
    }
    return left == 0;
}

static void add_removal(struct change *ch, struct commit *m, const char *key)
{
    const struct place *p = place_of(ch, key);
    if (!p->value)
        return;
    if (p->at)
        add_delete(m, p->path_at, p->stat.version);
    else if (gets_childless(ch, p))
        add_delete(m, p->path, p->stat.version);
    else
        add_set(m, p->path, NULL, 0, p->stat.version);
    zk__head_hold(m->head, key, 0);
    struct coord_event event = {.deleted = true, .kv = {.key = (char *)key}};
    zk__record_add(&m->record, &event);
}

static int descending(const void *a, const void *b)
{
    return strcmp(*(const char *const *)b, *(const char *const *)a);
}

/* What is beneath a node goes before it. */
static void add_removals(struct change *ch, struct commit *m)
{
    const char *keys[COORD_TXN_MAX_OPS];
    size_t n = 0;
    for (size_t i = 0; i < ch->n_ops; i++)
        if (ch->ops[i].kind == COORD_DELETE)
            keys[n++] = ch->ops[i].key;
    qsort(keys, n, sizeof(keys[0]), descending);
    for (size_t i = 0; i < n; i++)
        add_removal(ch, m, keys[i]);
}

/* ---- attempts ----------------------------------------------------------------------------- */

/* Nodes that those of the puts lie beneath; they hold nothing. */
static struct error *make_parents(struct change *ch, struct zk_conn *c)
{
    for (size_t i = 0; i < ch->n_ops; i++) {
        if (ch->ops[i].kind != COORD_PUT)
            continue;
        const struct place *p = place_of(ch, ch->ops[i].key);
        const char *path = ch->leases[i] || p->node ? p->path_at : p->path;
        _cleanup_(zk__batch_donep) struct zk_batch *b = zk__batch_new(c, strlen(path));
        for (const char *s = strchr(path + 1, '/'); s; s = strchr(s + 1, '/')) {
            _cleanup_(mem_freep) char *parent = mem_strndup(path, (size_t)(s - path));
            zk__create(b, parent, NULL, 0);
        }
        TRY(zk__wait(b, ch->deadline));
    }
    return NULL;
}

static struct error *unknown_outcome(const char *why)
{
    return error_hint(
        error_new(E_COORD_UNKNOWN, "no answer from ZooKeeper to a change of the catalog: %s", why),
        "It may or may not have happened; look before you try again.");
}

/* An attempt that was not answered: was it applied? */
static struct error *settle(struct change *ch, struct zk_conn *c, const struct zk_head *head,
                            bool *ret_done)
{
    if (head->number == ch->fence)
        return NULL;
    struct zk_record record = {0};
    bool found;
    TRY(zk__read_record(c, ch->fence + 1, ch->deadline, &record, &found));
    if (!found) {
        *ret_done = true;
        return unknown_outcome("it happened too long ago");
    }
    *ret_done = ch->succeeded = record.id == ch->id;
    ch->revision = record.revision;
    ch->sent = false;
    zk__record_done(&record);
    return NULL;
}

static struct error *send_change(struct change *ch, struct zk_conn *c, struct zk_head *head,
                                 bool *ret_done)
{
    _cleanup_(commit_done) struct commit m;
    commit_begin(&m, c, head, ch->id, ch->n_compares + 2 * ch->n_ops);
    add_checks(ch, &m);
    int checks = m.n;
    for (size_t i = 0; i < ch->n_ops; i++)
        if (ch->ops[i].kind == COORD_PUT)
            add_put(ch, &m, i);
    add_removals(ch, &m);
    if (m.n == checks) { /* nothing changes */
        *ret_done = ch->succeeded = true;
        ch->revision = head->revision;
        return NULL;
    }
    bool sent_before = ch->sent;
    _cleanup_(zk__batch_donep) struct zk_batch *b = zk__batch_new(c, 1);
    ch->fence = head->number;
    ch->sent = true;
    struct error *e = commit_send(&m, b, ch->keep_oldest, ch->deadline);
    if (e && error_is(e, E_UNAVAILABLE))
        return e;
    ch->sent = sent_before;
    TRY(e);
    const struct zk_reply *r = zk__reply(b, 0);
    *ret_done = ch->succeeded = r->rc == ZOK;
    ch->revision = (uint64_t)r->stat.mzxid;
    if (r->rc != ZNONODE)
        return NULL;
    ch->keep_oldest = m.removes_oldest && r->results[m.n - 1].err == ZNONODE;
    return make_parents(ch, c);
}

static struct error *attempt(struct change *ch, struct zk_conn *c, bool lease_lost, bool *ret_done)
{
    _cleanup_(zk__head_done) struct zk_head head = {0};
    TRY(zk__connected(c, ch->deadline));
    TRY(read_places(ch, c, &head));
    if (ch->sent)
        TRY(settle(ch, c, &head, ret_done));
    if (*ret_done)
        return NULL;
    if (lease_lost) { /* and with it every request that was under way */
        ch->sent = false;
        *ret_done = true;
        return coord__session_lost();
    }
    for (size_t i = 0; i < ch->n_compares; i++) {
        if (holds(place_of(ch, ch->compares[i].key), &ch->compares[i]))
            continue;
        *ret_done = !ch->sent; /* else it may have held for the attempt that is under way */
        ch->revision = head.revision;
        return NULL;
    }
    return send_change(ch, c, &head, ret_done);
}

/* With the connection of the lease, or, when that is lost, another to see what became of it. */
static struct error *attempt_connected(struct change *ch, bool *ret_done)
{
    struct zk_conn *c;
    bool lease_lost = false;
    struct error *e = zk__conn(ch->z, ch->lease, &c);
    if (ch->lease && !e && zk__expired(c)) {
        zk__conn_unref(c);
        e = coord__session_lost();
    }
    if (e && ch->lease) {
        *ret_done = !ch->sent;
        if (*ret_done)
            return e;
        error_free(e);
        lease_lost = true;
        e = zk__conn(ch->z, 0, &c);
    }
    TRY(e);
    e = attempt(ch, c, lease_lost, ret_done);
    zk__conn_unref(c);
    return e;
}

static struct error *perform(struct change *ch)
{
    for (unsigned i = 0;; i++) {
        bool done = false;
        struct error *e = attempt_connected(ch, &done);
        bool final = done || (e && !error_is(e, E_UNAVAILABLE));
        if (!final && clock_ms() >= ch->deadline) {
            if (!e)
                e = zk__unreachable(ch->z, "others keep changing it");
            final = true;
        }
        if (final && e && ch->sent) {
            struct error *unknown = unknown_outcome(e->message);
            error_free(e);
            return unknown;
        }
        if (final)
            return e;
        if (e || i > 2) /* who lost against another process lets it go on */
            sleep_ms(e ? 20 : (unsigned)(random_u64() % 8));
        error_free(e);
    }
}

/* ---- turns -------------------------------------------------------------------------------- */

static struct error *take_turn(struct zookeeper *z, uint64_t deadline)
{
    struct timespec t = {.tv_sec = (time_t)(deadline / 1000),
                         .tv_nsec = (long)(deadline % 1000) * 1000000L};
    if (pthread_mutex_clocklock(&z->turn, CLOCK_MONOTONIC, &t) == 0)
        return NULL;
    return zk__unreachable(z, "other changes are waiting");
}

static struct error *collect(struct change *ch)
{
    for (size_t i = 0; i < ch->n_compares + ch->n_ops; i++) {
        const char *key =
            i < ch->n_compares ? ch->compares[i].key : ch->ops[i - ch->n_compares].key;
        if (*key != '/' || coord__has_prefix(key, ZK_LOG))
            return error_new(E_INTERNAL, "\"%s\" can't be a key in ZooKeeper", key);
        place_of(ch, key);
    }
    for (size_t i = 0; i < ch->n_ops; i++) {
        if (ch->leases[i] && ch->lease && ch->leases[i] != ch->lease)
            return error_new(E_INTERNAL, "keys of two sessions in one transaction");
        if (ch->leases[i])
            ch->lease = ch->leases[i];
    }
    return NULL;
}

struct error *zk__txn(struct coord *c, const struct coord_compare *compares, size_t n_compares,
                      const struct coord_op *ops, const uint64_t *leases, size_t n_ops,
                      unsigned timeout_ms, bool *ret_succeeded, uint64_t *ret_revision)
{
    struct change *ch = NEW(struct change);
    ch->z = (struct zookeeper *)c;
    ch->compares = compares;
    ch->n_compares = n_compares;
    ch->ops = ops;
    ch->leases = leases;
    ch->n_ops = n_ops;
    ch->deadline = clock_ms() + timeout_ms;
    ch->id = random_u64();
    struct error *e = collect(ch);
    if (!e)
        e = take_turn(ch->z, ch->deadline);
    if (!e) {
        e = perform(ch);
        pthread_mutex_unlock(&ch->z->turn);
    }
    if (!e) {
        *ret_succeeded = ch->succeeded;
        *ret_revision = ch->revision;
    }
    for (size_t i = 0; i < ch->n_places; i++) {
        mem_free(ch->places[i].path);
        mem_free(ch->places[i].path_at);
    }
    mem_free(ch);
    return e;
}

/* ---- session keys that are gone ------------------------------------------------------------ */

struct error *zk__drop_held(struct zk_conn *c, struct zk_head *head, const struct zk_held *gone,
                            size_t n, bool remove, uint64_t deadline, bool *ret_done)
{
    _cleanup_(commit_done) struct commit m;
    _cleanup_(zk__batch_donep) struct zk_batch *b = zk__batch_new(c, 1);
    char **paths = mem_alloc(n * sizeof(*paths));
    commit_begin(&m, c, head, random_u64(), n);
    for (size_t i = 0; i < n; i++) {
        struct coord_event event = {.deleted = true, .kv = {.key = gone[i].key}};
        zk__record_add(&m.record, &event);
        paths[i] = zk__path_at(gone[i].key);
        if (remove)
            add_delete(&m, paths[i], -1);
    }
    for (size_t i = 0; i < n; i++) /* `gone` may point into the head: only now */
        zk__head_hold(head, gone[i].key, 0);
    struct error *e = commit_send(&m, b, false, deadline);
    *ret_done = !e && zk__reply(b, 0)->rc == ZOK;
    for (size_t i = 0; i < n; i++)
        mem_free(paths[i]);
    mem_free(paths);
    return e;
}
