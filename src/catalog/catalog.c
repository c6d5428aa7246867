/*
 * The catalog's life: loading, following the store by a watch, handing out views, registering,
 * campaigning. Changes are in change.c, views in view.c, JSON in json.c.
 *
 * Invariants:
 *  1. Only the watch's thread (and catalog_open, before it starts) makes views. So the current view
 * is always built from its predecessor, and revisions only rise.
 *  2. Taking a view is: lock, read the pointer, add a reference, unlock. The lock is held for
 * nothing else that takes time. Who just wants to know whether his view is still the newest
 * compares a pointer, or the schema number, without it.
 *  3. While the store can't be reached, the current view stays. A store that comes back as another
 * cluster (or empty) is not followed.
 */
#include "catalog/catalog_int.h"

static void unref(struct view *v)
{
    if (v && atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) == 1)
        catalog__view_free(v);
}

const struct catalog_view *catalog_view(struct catalog *c)
{
    pthread_mutex_lock(&c->lock);
    struct view *v = atomic_load_explicit(&c->current, memory_order_relaxed);
    atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
    pthread_mutex_unlock(&c->lock);
    return &v->pub;
}

void catalog_unref(const struct catalog_view *v)
{
    if (v)
        unref((struct view *)(uintptr_t)v->all);
}

const struct catalog_view *catalog_ref(const struct catalog_view *v)
{
    atomic_fetch_add_explicit(&((struct view *)(uintptr_t)v->all)->refs, 1, memory_order_relaxed);
    return v;
}

bool catalog_is_current(struct catalog *c, const struct catalog_view *v)
{
    return &atomic_load_explicit(&c->current, memory_order_acquire)->pub == v->all;
}

bool catalog_schema_is_current(struct catalog *c, const struct catalog_view *v)
{
    return atomic_load_explicit(&c->schema, memory_order_acquire) == v->schema;
}

/* ---- following the store ------------------------------------------------------------------ */

void catalog__publish(struct catalog *c, struct view *v)
{
    pthread_mutex_lock(&c->lock);
    struct view *old = atomic_load(&c->current);
    atomic_store(&c->current, v);
    atomic_store(&c->schema, v->pub.schema);
    pthread_cond_broadcast(&c->advanced);
    pthread_mutex_unlock(&c->lock);
    unref(old);
    pthread_mutex_lock(&c->listening);
    for (struct listener *l = c->listeners; l; l = l->next)
        l->changed(l->ctx, &v->pub); /* v stays: only this thread replaces it */
    pthread_mutex_unlock(&c->listening);
}

bool catalog__wait(struct catalog *c, uint64_t revision, unsigned timeout_ms)
{
    uint64_t deadline = clock_ms() + timeout_ms;
    pthread_mutex_lock(&c->lock);
    while (atomic_load(&c->current)->pub.revision < revision && clock_ms() < deadline) {
        struct timespec t = {.tv_sec = (time_t)(deadline / 1000),
                             .tv_nsec = (long)(deadline % 1000) * 1000000L};
        pthread_cond_timedwait(&c->advanced, &c->lock, &t);
    }
    bool there = atomic_load(&c->current)->pub.revision >= revision;
    pthread_mutex_unlock(&c->lock);
    return there;
}

static void on_events(void *ctx, uint64_t revision, const struct coord_event *events, size_t n)
{
    struct catalog *c = ctx;
    catalog__copy_events(atomic_load(&c->copy), revision, events, n);
    catalog__publish(c, catalog__view_apply(atomic_load(&c->current), revision, events, n));
}

static const struct coord_kv *find_key(const struct coord_list *l, const char *key)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->kvs[i].key, key) == 0)
            return &l->kvs[i];
    return NULL;
}

/* Is what was read this cluster's, whole? */
static struct error *check_same_cluster(struct catalog *c, const struct coord_list *all)
{
    const struct coord_kv *kv = find_key(all, KEY_CLUSTER);
    uint64_t id = 0, ours = atomic_load(&c->current)->pub.cluster;
    if (kv)
        TRY(catalog__decode_cluster(kv, &id));
    if (id != ours)
        return error_hint(error_new(E_DAMAGED, "the coordination store holds %s",
                                    kv ? "another cluster now" : "no cluster any more"),
                          "Put its data back, or start all servers with empty data directories.");
    return NULL;
}

static uint64_t on_resync(void *ctx)
{
    struct catalog *c = ctx;
    struct coord_list all = {0};
    struct error *e = coord_list(c->coord, KEY_ROOT, CALL_MS, &all);
    if (!e)
        e = check_same_cluster(c, &all);
    uint64_t revision = e ? 0 : all.revision;
    if (e) {
        if (!c->complained_ms || clock_ms() - c->complained_ms > 30000) {
            log_failure(LOG_ERROR, e, "catalog: could not be loaded anew; the old one is kept");
            c->complained_ms = clock_ms();
        }
        error_free(e);
    } else {
        log_info("catalog: loaded anew at revision %llu", (unsigned long long)revision);
        catalog__copy_reload(atomic_load(&c->copy));
        catalog__publish(c, catalog__view_load(atomic_load(&c->current), &all));
    }
    coord_list_done(&all);
    return revision;
}

static void on_connected(void *ctx, bool connected)
{
    struct catalog *c = ctx;
    if (atomic_exchange(&c->connected, connected) == connected)
        return;
    if (connected)
        log_info("catalog: the coordination store %s is reachable again", coord_url(c->coord));
    else
        log_warn("catalog: the coordination store %s is unreachable; data goes on being served",
                 coord_url(c->coord));
}

bool catalog_connected(struct catalog *c)
{
    return atomic_load(&c->connected);
}

void catalog_on_change(struct catalog *c, void (*changed)(void *ctx, const struct catalog_view *v),
                       void *ctx)
{
    struct listener *l = NEW(struct listener);
    *l = (struct listener){.changed = changed, .ctx = ctx};
    pthread_mutex_lock(&c->listening);
    struct listener **end = &c->listeners;
    while (*end)
        end = &(*end)->next;
    *end = l;
    pthread_mutex_unlock(&c->listening);
}

void catalog_on_change_stop(struct catalog *c, void *ctx)
{
    pthread_mutex_lock(&c->listening);
    for (struct listener **p = &c->listeners; *p;) {
        struct listener *l = *p;
        if (l->ctx == ctx) {
            *p = l->next;
            mem_free(l);
        } else {
            p = &l->next;
        }
    }
    pthread_mutex_unlock(&c->listening);
}

struct error *catalog_refresh(struct catalog *c, unsigned timeout_ms)
{
    if (c->drafted) {
        TRY(catalog_refresh(c->drafted->base, timeout_ms));
        catalog_draft_rebase(c);
        return NULL;
    }
    uint64_t deadline = clock_ms() + timeout_ms;
    struct coord_list l = {0};
    TRY(coord_get(c->coord, KEY_CHANGED, timeout_ms, &l));
    uint64_t newest = l.n ? l.kvs[0].mod_revision : 0, now = clock_ms();
    coord_list_done(&l);
    if (catalog__wait(c, newest, now < deadline ? (unsigned)(deadline - now) : 0))
        return NULL;
    return error_hint(error_new(E_UNAVAILABLE, "the catalog could not be brought up to date"),
                      "The coordination store answers slowly or not at all; try again.");
}

/* ---- opening ------------------------------------------------------------------------------ */

/* Makes the first records of an empty store; somebody else may be doing the same. */
static struct error *found(struct catalog *c, unsigned timeout_ms)
{
    _cleanup_(mem_freep) char *cluster = catalog__encode_cluster((random_u64() >> 11) | 1, 1);
    struct coord_compare none = {COORD_ABSENT, KEY_CLUSTER, 0};
    struct coord_op ops[] = {
        {.kind = COORD_PUT, .key = KEY_CLUSTER, .value = cluster, .value_len = strlen(cluster)},
        {.kind = COORD_PUT, .key = KEY_NEXT_ID, .value = "1", .value_len = 1},
        {.kind = COORD_PUT, .key = KEY_CHANGED, .value = "", .value_len = 0},
    };
    bool succeeded = false;
    struct error *e = coord_txn(c->coord, &none, 1, ops, 3, timeout_ms, &succeeded, NULL);
    if (error_is(e, E_COORD_UNKNOWN)) { /* reading will tell */
        error_free(e);
        return NULL;
    }
    if (!e && succeeded)
        log_info("catalog: founded a new cluster in %s", coord_url(c->coord));
    return e;
}

static struct error *load(struct catalog *c, uint64_t deadline)
{
    for (;;) {
        uint64_t now = clock_ms();
        unsigned left = now < deadline ? (unsigned)(deadline - now) : 1;
        struct coord_list all = {0};
        TRY(coord_list(c->coord, KEY_ROOT, left, &all));
        const struct coord_kv *kv = find_key(&all, KEY_CLUSTER);
        uint64_t id = 0;
        struct error *e = kv ? catalog__decode_cluster(kv, &id) : found(c, left);
        if (!e && kv) {
            struct view *v = catalog__view_load(NULL, &all);
            v->pub.cluster = id;
            atomic_store(&c->current, v);
            atomic_store(&c->schema, v->pub.schema);
        }
        coord_list_done(&all);
        TRY(e);
        if (kv)
            return NULL;
    }
}

static struct error *start(struct catalog *c, unsigned timeout_ms)
{
    TRY(load(c, clock_ms() + timeout_ms));
    struct coord_watcher watcher = {
        .ctx = c, .events = on_events, .resync = on_resync, .connected = on_connected};
    return coord_watch(c->coord, KEY_ROOT, atomic_load(&c->current)->pub.revision, &watcher,
                       &c->watch);
}

struct catalog *catalog__new(struct coord *coord)
{
    struct catalog *c = NEW(struct catalog);
    c->coord = coord;
    atomic_init(&c->connected, true);
    pthread_mutex_init(&c->lock, NULL);
    pthread_mutex_init(&c->listening, NULL);
    pthread_mutex_init(&c->joining, NULL);
    pthread_mutex_init(&c->numbering, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->advanced, &attr);
    pthread_condattr_destroy(&attr);
    return c;
}

struct error *catalog_open(struct coord *coord, unsigned timeout_ms, struct catalog **ret)
{
    struct catalog *c = catalog__new(coord);
    struct error *e = start(c, timeout_ms);
    if (e) {
        catalog_close(c);
        return e;
    }
    *ret = c;
    return NULL;
}

void catalog_close(struct catalog *c)
{
    if (!c)
        return;
    coord_election_close(atomic_load(&c->election));
    coord_session_close(c->session);
    coord_watch_close(c->watch);
    catalog__copy_close(atomic_load(&c->copy));
    catalog__drafted_free(c->drafted);
    unref(atomic_load(&c->current));
    for (struct listener *l; (l = c->listeners);) {
        c->listeners = l->next;
        mem_free(l);
    }
    mem_free(c->self.name);
    mem_free(c->self.address);
    mem_free(c->self_key);
    pthread_cond_destroy(&c->advanced);
    pthread_mutex_destroy(&c->joining);
    pthread_mutex_destroy(&c->numbering);
    pthread_mutex_destroy(&c->listening);
    pthread_mutex_destroy(&c->lock);
    mem_free(c);
}

/* ---- this server -------------------------------------------------------------------------- */

static void on_taken(void *ctx, const char *key)
{
    log_error(
        "catalog: another server registered as \"%s\" while this one was cut off; stop one of "
        "them",
        key);
}

/* With `joining` held. */
struct error *catalog__session(struct catalog *c, unsigned timeout_ms)
{
    if (c->session)
        return NULL;
    struct coord_session_events events = {.ctx = c, .taken = on_taken};
    return coord_session_open(c->coord, COORD_SESSION_TTL_MS, timeout_ms, &events, &c->session);
}

/* The revision of a record that this server's last life left behind: it had our address, which is
 * ours alone now. 0: there is none. */
static struct error *own_leftover(struct catalog *c, const char *key, const char *address,
                                  uint64_t *ret)
{
    struct coord_list l = {0};
    TRY(coord_get(c->coord, key, CALL_MS, &l));
    struct record *r = NULL;
    *ret = 0;
    if (l.n) {
        struct error *e = catalog__decode_server(&l.kvs[0], &r);
        if (e || strcmp(((struct server *)r->payload)->address, address) == 0)
            *ret = l.kvs[0].mod_revision;
        error_free(e);
        catalog__record_unref(r);
    }
    coord_list_done(&l);
    return NULL;
}

/* Puts this server's record, waiting for that of a dead namesake elsewhere to vanish. */
static struct error *put_self(struct catalog *c)
{
    _cleanup_(mem_freep) char *text = NULL;
    TRY(catalog__encode_server(&c->self, &text));
    uint64_t deadline = clock_ms() + COORD_SESSION_TTL_MS + 2000;
    for (;;) {
        uint64_t leftover;
        bool taken;
        TRY(own_leftover(c, c->self_key, c->self.address, &leftover));
        TRY(coord_session_put(c->session, c->self_key, text, strlen(text), leftover, CALL_MS,
                              &taken));
        if (!taken)
            return NULL;
        if (clock_ms() >= deadline)
            return error_hint(
                error_new("55006", "a server named \"%s\" is running already", c->self.name),
                "Give each server its own --name.");
        sleep_ms(200);
    }
}

static bool shows_self(struct catalog *c)
{
    const struct catalog_view *v = catalog_view(c);
    const struct server *s = catalog_server(v, c->self.name);
    bool there = s && s->incarnation == c->self.incarnation;
    catalog_unref(v);
    return there;
}

static struct error *register_self(struct catalog *c, const struct server *self)
{
    if (c->self_key)
        return error_new(E_INTERNAL, "server \"%s\" is registered already", c->self.name);
    if (!*self->name || strlen(self->name) > CATALOG_NAME_MAX || strpbrk(self->name, "/,\"'"))
        return error_hint(error_new("22023", "invalid server name \"%s\"", self->name),
                          "A name has 1 to %d bytes, no slash, comma or quote.", CATALOG_NAME_MAX);
    TRY(catalog__session(c, CALL_MS));
    mem_free(c->self.name);
    mem_free(c->self.address);
    c->self = *self;
    c->self.name = mem_strdup(self->name);
    c->self.address = mem_strdup(self->address);
    c->self.incarnation &= INT64_MAX; /* as JSON has it */
    c->self_key = mem_printf("%s%s", KEY_SERVERS, self->name);
    struct error *e = put_self(c);
    if (e) {
        mem_free(c->self_key);
        c->self_key = NULL;
        return e;
    }
    for (int i = 0; i < 400 && !shows_self(c); i++)
        sleep_ms(5);
    return NULL;
}

struct error *catalog_register(struct catalog *c, const struct server *self)
{
    pthread_mutex_lock(&c->joining);
    struct error *e = register_self(c, self);
    pthread_mutex_unlock(&c->joining);
    return e;
}

static struct error *update_info(struct catalog *c)
{
    _cleanup_(mem_freep) char *text = NULL;
    TRY(catalog__encode_server(&c->self, &text));
    bool taken;
    return coord_session_put(c->session, c->self_key, text, strlen(text), 0, 1000, &taken);
}

void catalog_update_info(struct catalog *c, int64_t tables, int64_t records, int64_t bytes,
                         bool disk_failed)
{
    pthread_mutex_lock(&c->joining);
    struct server old = c->self;
    bool urgent = old.tables != tables || old.disk_failed != disk_failed;
    bool changed = urgent || old.records != records || old.bytes != bytes;
    bool soon = urgent || clock_ms() - c->info_ms >= 2000;
    if (c->self_key && changed && soon && catalog_connected(c)) {
        c->self.tables = tables;
        c->self.records = records;
        c->self.bytes = bytes;
        c->self.disk_failed = disk_failed;
        struct error *e = update_info(c);
        if (e) /* the next call tries again */
            c->self = old;
        error_free(e);
        c->info_ms = clock_ms();
    }
    pthread_mutex_unlock(&c->joining);
}

void catalog_leave(struct catalog *c)
{
    pthread_mutex_lock(&c->joining);
    c->self.leaving = true;
    if (c->self_key && catalog_connected(c))
        error_free(update_info(c)); /* without an answer they find out soon enough */
    pthread_mutex_unlock(&c->joining);
}

/* ---- mastership --------------------------------------------------------------------------- */

static struct error *campaign(struct catalog *c, const char *name,
                              void (*changed)(void *ctx, bool is_master), void *ctx)
{
    if (atomic_load(&c->election))
        return error_new(E_INTERNAL, "this server campaigns for mastership already");
    TRY(catalog__session(c, CALL_MS));
    struct coord_election *e;
    TRY(coord_election_open(c->session, KEY_MASTER, name, changed, ctx, &e));
    atomic_store(&c->election, e);
    return NULL;
}

struct error *catalog_campaign(struct catalog *c, const char *name,
                               void (*changed)(void *ctx, bool is_master), void *ctx)
{
    pthread_mutex_lock(&c->joining);
    struct error *e = campaign(c, name, changed, ctx);
    pthread_mutex_unlock(&c->joining);
    return e;
}

void catalog_resign(struct catalog *c)
{
    pthread_mutex_lock(&c->joining);
    struct coord_election *e = atomic_exchange(&c->election, NULL);
    pthread_mutex_unlock(&c->joining);
    coord_election_close(e);
}

bool catalog_is_registered(struct catalog *c)
{
    return c->session && coord_session_alive(c->session);
}

bool catalog_is_embedded(struct catalog *c)
{
    return strcmp(coord_url(c->coord), "embedded") == 0;
}

bool catalog_is_master(struct catalog *c)
{
    if (c->drafted) /* whoever commits it is asked then */
        return true;
    struct coord_election *e = atomic_load(&c->election);
    struct coord_compare fence;
    return e && coord_election_fence(e, &fence);
}
