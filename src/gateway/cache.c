/*
 * The server's statement cache: analysed and planned statements, shared by all sessions, by text
 * and parameter types.
 *
 * An entry is current as long as the schema it was planned on is. Stale ones are thrown out when
 * they are met, or grow old; the first stale one met takes all others along, since they hold old
 * views of the catalog. Beyond the cap the least recently used ones go; a long text counts as
 * several, since its plan is as large.
 */
#include "gateway/gateway_int.h"

void cache__init(struct cache *c, size_t cap)
{
    *c = (struct cache){.cap = cap};
    pthread_mutex_init(&c->lock, NULL);
}

struct entry *entry__ref(struct entry *e)
{
    atomic_fetch_add(&e->refs, 1);
    return e;
}

void entry__unref(struct entry *e)
{
    if (!e || atomic_fetch_sub(&e->refs, 1) > 1)
        return;
    plan_unref(e->plan);
    if (e->view)
        catalog_unref(e->view);
    arena_done(&e->arena);
    mem_free(e->column_types);
    buf_done(&e->description);
    mem_free(e->param_types);
    mem_free(e->param_oids);
    mem_free(e->text);
    mem_free(e->key);
    mem_free(e);
}

static const struct catalog_view *view_of(const struct entry *e)
{
    return e->plan ? e->plan->view : e->view;
}

bool entry__is_current(struct session *s, const struct entry *e)
{
    if (e->deferred)
        return false;
    if (e->plan && !plan_is_fresh(e->plan))
        return false;
    return !view_of(e) || exec_schema_is_current(s->exec, view_of(e));
}

/* For everybody. */
static bool is_current(const struct gateway *g, const struct entry *e)
{
    if (e->plan && !plan_is_fresh(e->plan))
        return false;
    return !view_of(e) || catalog_schema_is_current(g->o.catalog, view_of(e));
}

static size_t weight(const struct entry *e)
{
    return 1 + e->key_len / 1024;
}

/* ---- the list, newest first; the lock is held ---------------------------------------------- */

static void unlink_entry(struct cache *c, struct entry *e)
{
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void link_newest(struct cache *c, struct entry *e)
{
    e->older = c->newest;
    if (e->older)
        e->older->newer = e;
    c->newest = e;
    if (!c->oldest)
        c->oldest = e;
}

static void drop(struct cache *c, struct entry *e)
{
    map_remove(&c->map, e->key, e->key_len);
    c->weight -= weight(e);
    unlink_entry(c, e);
    entry__unref(e);
}

static void drop_stale(struct gateway *g)
{
    struct cache *c = &g->cache;
    for (struct entry *e = c->newest, *next; e; e = next) {
        next = e->older;
        if (!is_current(g, e))
            drop(c, e);
    }
}

/* ---- access ------------------------------------------------------------------------------- */

/* The same text may mean other tables in another session. */
static const struct buf *full_key(struct session *s, const void *key, size_t len)
{
    struct buf *b = &s->worker->key;
    const char *names = settings__names(s);
    buf_clear(b);
    buf_append(b, names, s->names_len + 1);
    buf_append(b, key, len);
    return b;
}

struct entry *cache__find(struct session *s, const void *key, size_t len)
{
    if (exec_has_draft(s->exec))
        return NULL;
    const struct buf *b = full_key(s, key, len);
    return cache__get(s->gateway, b->data, b->len);
}

void cache__add(struct session *s, const void *key, size_t len, struct entry *e)
{
    if (exec_has_draft(s->exec) || e->query->reads_clock)
        return;
    const struct buf *b = full_key(s, key, len);
    cache__put(s->gateway, b->data, b->len, e);
}

struct entry *cache__get(struct gateway *g, const void *key, size_t len)
{
    struct cache *c = &g->cache;
    pthread_mutex_lock(&c->lock);
    struct entry *e = map_get(&c->map, key, len);
    if (e && !is_current(g, e)) {
        drop_stale(g);
        e = NULL;
    }
    if (e) {
        if (c->newest != e) {
            unlink_entry(c, e);
            link_newest(c, e);
        }
        entry__ref(e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

void cache__put(struct gateway *g, const void *key, size_t len, struct entry *e)
{
    struct cache *c = &g->cache;
    pthread_mutex_lock(&c->lock);
    if (c->oldest && !is_current(g, c->oldest))
        drop_stale(g);
    struct entry *old = map_get(&c->map, key, len);
    if (old)
        drop(c, old);
    if (!e->key) { /* an entry is in the cache under one key at most */
        e->key = mem_strndup(key, len);
        e->key_len = len;
        map_put(&c->map, key, len, entry__ref(e));
        c->weight += weight(e);
        link_newest(c, e);
    }
    while (c->weight > c->cap)
        drop(c, c->oldest);
    pthread_mutex_unlock(&c->lock);
}

void cache__done(struct cache *c)
{
    while (c->newest)
        drop(c, c->newest);
    map_done(&c->map);
    pthread_mutex_destroy(&c->lock);
}
