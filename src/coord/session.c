/*
 * Sessions: a lease in the store, kept alive by a thread, and the keys that live with it. Works
 * over any store.
 *
 *   ALIVE -> LOST      [mark_lost]     the lease was not renewed in time, or the store says that it
 * is gone LOST -> ALIVE      [mark_restored] a lease holds and every key is in place again
 *
 * Invariants:
 *  1. alive_until counts from when the last successful renewal was *sent*, so this side gives up
 * its lease before the store does.
 *  2. `placing` serialises everything that talks to the store about keys, `lock` guards the fields;
 * placing is taken first. No callback runs under lock.
 */
#include "coord/coord_int.h"

struct held_key {
    struct held_key *next;
    char *key, *value;
    size_t value_len;
};

struct coord_session {
    struct coord *c;
    unsigned ttl_ms;
    struct coord_session_events events;
    pthread_t thread;
    pthread_mutex_t placing;
    struct held_key *keys; /* guarded by placing */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    /* guarded by lock */
    uint64_t lease; /* 0: none */
    uint64_t alive_until;
    bool lost, stop;
};

bool coord_session_alive(struct coord_session *s)
{
    return coord_session_lease(s) != 0;
}

uint64_t coord_session_lease(struct coord_session *s)
{
    pthread_mutex_lock(&s->lock);
    uint64_t lease = s->lost || clock_ms() >= s->alive_until ? 0 : s->lease;
    pthread_mutex_unlock(&s->lock);
    return lease;
}

struct coord *coord__session_store(struct coord_session *s)
{
    return s->c;
}

/* ---- keys --------------------------------------------------------------------------------- */

enum placed { PLACED, TAKEN, RACED };

/* Tries once to make `key` hold the value under `lease`. `take`: a mod_revision that may be
 * overwritten. */
static struct error *place_once(struct coord *c, const struct held_key *k, uint64_t lease,
                                uint64_t take, unsigned timeout_ms, enum placed *ret)
{
    struct coord_list l = {0};
    TRY(coord_get(c, k->key, timeout_ms, &l));
    uint64_t revision = l.n ? l.kvs[0].mod_revision : 0;
    bool same = l.n && l.kvs[0].value_len == k->value_len &&
                memcmp(l.kvs[0].value, k->value, k->value_len) == 0;
    bool ours = l.n && l.kvs[0].lease == lease;
    coord_list_done(&l);
    if (ours && same) {
        *ret = PLACED;
        return NULL;
    }
    if (revision && !ours && !same && revision != take) {
        *ret = TAKEN;
        return NULL;
    }
    struct coord_compare unmoved = {COORD_UNMOVED, k->key, revision};
    struct coord_op put = {
        .kind = COORD_PUT, .key = k->key, .value = k->value, .value_len = k->value_len};
    bool succeeded;
    uint64_t at;
    struct error *e = c->ops->txn(c, &unmoved, 1, &put, &lease, 1, timeout_ms, &succeeded, &at);
    if (e && !error_is(e, E_COORD_UNKNOWN))
        return e;
    *ret = !e && succeeded ? PLACED : RACED; /* unknown: reading again will tell */
    error_free(e);
    return NULL;
}

static struct error *place(struct coord *c, const struct held_key *k, uint64_t lease, uint64_t take,
                           unsigned timeout_ms, bool *ret_taken)
{
    uint64_t deadline = clock_ms() + timeout_ms;
    enum placed placed = RACED;
    while (placed == RACED) {
        uint64_t now = clock_ms();
        if (now >= deadline)
            return error_new(E_UNAVAILABLE, "could not write \"%s\" to the coordination store",
                             k->key);
        TRY(place_once(c, k, lease, take, (unsigned)(deadline - now), &placed));
    }
    *ret_taken = placed == TAKEN;
    return NULL;
}

static void key_free(struct held_key *k)
{
    mem_free(k->key);
    mem_free(k->value);
    mem_free(k);
}

static void keys_remove(struct coord_session *s, const char *key)
{
    for (struct held_key **p = &s->keys; *p; p = &(*p)->next) {
        struct held_key *k = *p;
        if (strcmp(k->key, key) == 0) {
            *p = k->next;
            key_free(k);
            return;
        }
    }
}

struct error *coord_session_put(struct coord_session *s, const char *key, const char *value,
                                size_t value_len, uint64_t take, unsigned timeout_ms,
                                bool *ret_taken)
{
    uint64_t lease = coord_session_lease(s);
    if (!lease)
        return coord__session_lost();
    struct held_key *k = NEW(struct held_key);
    k->key = mem_strdup(key);
    k->value = mem_strndup(value, value_len);
    k->value_len = value_len;
    pthread_mutex_lock(&s->placing);
    bool taken = false;
    struct error *e = place(s->c, k, lease, take, timeout_ms, &taken);
    if (e) {
        key_free(k);
    } else {
        keys_remove(s, key);
        if (taken) {
            key_free(k);
        } else {
            k->next = s->keys;
            s->keys = k;
        }
        *ret_taken = taken;
    }
    pthread_mutex_unlock(&s->placing);
    return e;
}

/* Puts every key in place under `lease`. Keys that somebody else took meanwhile are given up and
 * told. */
static struct error *place_all(struct coord_session *s, uint64_t lease, unsigned timeout_ms)
{
    struct held_key *given_up = NULL;
    struct error *e = NULL;
    pthread_mutex_lock(&s->placing);
    for (struct held_key **p = &s->keys; *p && !e;) {
        struct held_key *k = *p;
        bool taken = false;
        e = place(s->c, k, lease, 0, timeout_ms, &taken);
        if (taken) {
            *p = k->next;
            k->next = given_up;
            given_up = k;
        } else {
            p = &k->next;
        }
    }
    pthread_mutex_unlock(&s->placing);
    for (struct held_key *k; (k = given_up);) {
        given_up = k->next;
        log_warn("coordination key \"%s\" was taken by another owner while the session was lost",
                 k->key);
        if (s->events.taken)
            s->events.taken(s->events.ctx, k->key);
        key_free(k);
    }
    return e;
}

/* ---- the lease ---------------------------------------------------------------------------- */

static void mark_lost(struct coord_session *s, const char *why)
{
    pthread_mutex_lock(&s->lock);
    bool news = !s->lost;
    s->lost = true;
    pthread_mutex_unlock(&s->lock);
    if (!news)
        return;
    log_warn("the session with the coordination store was lost: %s", why);
    if (s->events.lost)
        s->events.lost(s->events.ctx);
}

static void mark_restored(struct coord_session *s)
{
    pthread_mutex_lock(&s->lock);
    bool news = s->lost;
    s->lost = false;
    pthread_mutex_unlock(&s->lock);
    if (!news)
        return;
    log_info("the session with the coordination store is restored");
    if (s->events.restored)
        s->events.restored(s->events.ctx);
}

static void set_lease(struct coord_session *s, uint64_t lease, uint64_t alive_until)
{
    pthread_mutex_lock(&s->lock);
    s->lease = lease;
    s->alive_until = alive_until;
    pthread_mutex_unlock(&s->lock);
}

/* Renews the lease, or gets a new one when there is none. */
static struct error *renew(struct coord_session *s, unsigned timeout_ms)
{
    uint64_t sent = clock_ms(), lease = s->lease; /* only this thread changes it */
    unsigned ttl_ms = 0;
    if (lease) {
        TRY(s->c->ops->lease_keepalive(s->c, lease, timeout_ms, &ttl_ms));
        if (ttl_ms == 0) {
            set_lease(s, 0, 0);
            mark_lost(s, "its lease has expired");
            lease = 0;
            sent = clock_ms();
        }
    }
    if (!lease) {
        TRY(s->c->ops->lease_grant(s->c, s->ttl_ms, timeout_ms, &lease, &ttl_ms));
        set_lease(s, lease, sent + ttl_ms);
        sent = clock_ms(); /* getting it may have taken long */
        TRY(s->c->ops->lease_keepalive(s->c, lease, timeout_ms, &ttl_ms));
    }
    set_lease(s, lease, sent + ttl_ms);
    pthread_mutex_lock(&s->lock);
    bool lost = s->lost;
    pthread_mutex_unlock(&s->lock);
    if (!lost)
        return NULL;
    TRY(place_all(s, lease, timeout_ms));
    mark_restored(s);
    return NULL;
}

/* One round. Returns how long to wait until the next. */
static unsigned session_round(struct coord_session *s)
{
    struct error *e = renew(s, MAX(s->ttl_ms / 3, 200u));
    if (!e)
        return s->ttl_ms / 3;
    pthread_mutex_lock(&s->lock);
    bool over = clock_ms() >= s->alive_until;
    pthread_mutex_unlock(&s->lock);
    if (over)
        mark_lost(s, e->message);
    error_free(e);
    return 200;
}

static void *session_main(void *arg)
{
    struct coord_session *s = arg;
    uint64_t next = clock_ms() + s->ttl_ms / 3;
    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        if (clock_ms() < next) {
            coord__cond_wait(&s->wake, &s->lock, next);
            continue;
        }
        pthread_mutex_unlock(&s->lock);
        next = clock_ms() + session_round(s);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- life --------------------------------------------------------------------------------- */

static void session_free(struct coord_session *s)
{
    for (struct held_key *k; (k = s->keys);) {
        s->keys = k->next;
        key_free(k);
    }
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->placing);
    mem_free(s);
}

struct error *coord_session_open(struct coord *c, unsigned ttl_ms, unsigned timeout_ms,
                                 const struct coord_session_events *events,
                                 struct coord_session **ret)
{
    struct coord_session *s = NEW(struct coord_session);
    s->c = c;
    s->ttl_ms = ttl_ms;
    if (events)
        s->events = *events;
    pthread_mutex_init(&s->placing, NULL);
    pthread_mutex_init(&s->lock, NULL);
    coord__cond_init(&s->wake);
    struct error *e = renew(s, timeout_ms);
    if (!e) {
        int err = pthread_create(&s->thread, NULL, session_main, s);
        if (err)
            e = error_errno(E_OUT_OF_MEMORY, err, "could not start a thread");
    }
    if (e) {
        session_free(s);
        return e;
    }
    *ret = s;
    return NULL;
}

void coord_session_close(struct coord_session *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    if (s->lease) /* without an answer the lease just runs out */
        error_free(s->c->ops->lease_revoke(s->c, s->lease, 1000));
    session_free(s);
}
