/*
 * Advisory locks: pg_advisory_lock() and its kin, of the whole cluster.
 *
 * They live in the memory of the elected master, beside nothing else: `struct advisory` there, with
 * an owner for each session that holds or wants one. The owner hangs on the session by which the
 * request came: the client's own at the master itself, else the one that serves the connection
 * which the gateway keeps for a client as long as it holds locks. So locks go when a session ends,
 * and when its gateway dies.
 *
 * Nobody may believe to hold what another was given:
 *  1. A gateway looks each second (exec_tick) who the master is, and whether its own lease in the
 *     coordination store holds. When either changed, sessions that hold locks are over
 *     (exec_locks_lost; the gateway ends them with 57P01): their locks are gone with the master, or
 *     may be taken to be gone with this server.
 *  2. A new master grants nothing before all have had the time to notice (GRACE_MS).
 *  3. Who holds a lock and is not registered any more for GONE_MS has noticed by 1, and loses it.
 *
 * Waiters are served in order; who would close a circle of waiting is told (40P01). A session that
 * waits while its transaction holds a region keeps others from writing there, perhaps the one that
 * it waits for, which no circle here would show: it waits for HOLDER_WAIT_MS at most.
 */
#include "exec/system.h"

enum {
    GRACE_MS = 7000,
    GONE_MS = 3000,
    SLICE_MS = 40,
    LOOK_MS = 1000,
    HOLDER_WAIT_MS = 10000,
    SESSION_LEVEL = -1, /* the depth of a lock that outlasts its transaction */
};

struct lock_key {
    uint32_t database, hi, lo;
    uint32_t kind; /* 1: by one int8; 2: by two int4 */
};

/* One owner's hold on one lock, in one mode, of one depth of savepoints. */
struct grant {
    struct grant *next; /* of the lock */
    struct grant *next_of_owner;
    struct advisory_lock *lock;
    struct advisory_owner *owner;
    bool exclusive;
    int depth;
    unsigned count;
};

struct waiter {
    struct waiter *next;
    struct advisory_owner *owner;
    bool exclusive;
    int64_t since; /* microseconds since 2000 */
};

struct advisory_lock {
    struct lock_key key;
    struct grant *grants;
    struct waiter *waiters; /* first come, first served */
};

struct advisory_owner {
    int32_t pid;
    char server[CATALOG_NAME_MAX + 1];
    uint64_t gone_since; /* not registered since then */
    struct grant *grants;
    struct advisory_lock *waits_for;
};

struct advisory {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct map locks;       /* struct lock_key -> struct advisory_lock */
    bool leading;           /* this server was master when it was last looked .. */
    uint64_t leading_since; /* .. since then */
    char master[CATALOG_NAME_MAX + 1];
    uint64_t incarnation; /* of that master */
    bool registered;
    _Atomic uint64_t generation; /* raised when all that is held is lost */
};

static const char *mode_name(bool exclusive)
{
    return exclusive ? "ExclusiveLock" : "ShareLock";
}

struct advisory *exec__advisory_new(void)
{
    struct advisory *m = NEW(struct advisory);
    pthread_condattr_t attr;
    pthread_mutex_init(&m->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&m->changed, &attr);
    pthread_condattr_destroy(&attr);
    m->registered = true;
    atomic_store(&m->generation, 1);
    return m;
}

void exec__advisory_free(struct advisory *m)
{
    if (!m)
        return;
    map_done(&m->locks); /* no sessions are left, so it is empty */
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->mutex);
    mem_free(m);
}

/* ---- who the master is ------------------------------------------------------------------------
 */

static void observe(struct exec *e)
{
    struct advisory *m = e->advisory;
    bool registered = catalog_is_registered(e->catalog), leading = catalog_is_master(e->catalog);
    const struct catalog_view *v = catalog_view(e->catalog);
    const struct server *s = v->master ? catalog_server(v, v->master) : NULL;
    pthread_mutex_lock(&m->mutex);
    bool other = s && (strcmp(s->name, m->master) != 0 || s->incarnation != m->incarnation);
    if (other) {
        snprintf(m->master, sizeof(m->master), "%s", s->name);
        m->incarnation = s->incarnation;
    }
    if (other || (m->registered && !registered))
        atomic_fetch_add(&m->generation, 1);
    m->registered = registered;
    if (leading && !m->leading)
        m->leading_since = clock_ms();
    m->leading = leading;
    pthread_mutex_unlock(&m->mutex);
    catalog_unref(v);
}

void exec_tick(struct exec *e)
{
    observe(e);
}

bool exec_locks_lost(const struct exec_session *s)
{
    uint64_t held = atomic_load(&s->advisory_generation);
    return held && held != atomic_load(&s->exec->advisory->generation);
}

/* ---- at the master: what conflicts
 * ---------------------------------------------------------------
 */

static bool blocks(const struct grant *g, const struct advisory_owner *o, bool exclusive)
{
    return g->owner != o && (exclusive || g->exclusive);
}

static bool has_grant(const struct advisory_lock *l, const struct advisory_owner *o)
{
    for (const struct grant *g = l->grants; g; g = g->next)
        if (g->owner == o)
            return true;
    return false;
}

/* Has a request to wait that stands before `end` in the line (NULL: at its end)? */
static bool must_wait(const struct advisory_lock *l, const struct advisory_owner *o, bool exclusive,
                      const struct waiter *end)
{
    for (const struct grant *g = l->grants; g; g = g->next)
        if (blocks(g, o, exclusive))
            return true;
    if (has_grant(l, o))
        return false;
    for (const struct waiter *w = l->waiters; w && w != end; w = w->next)
        if (exclusive || w->exclusive)
            return true;
    return false;
}

static bool reaches(const struct advisory_owner *from, const struct advisory_owner *to, int depth);

/* Does whoever stands in the way of `w` wait, in the end, for `to`? */
static bool line_reaches(const struct advisory_lock *l, const struct waiter *w,
                         const struct advisory_owner *to, int depth)
{
    for (const struct grant *g = l->grants; g; g = g->next)
        if (blocks(g, w->owner, w->exclusive) && (g->owner == to || reaches(g->owner, to, depth)))
            return true;
    for (const struct waiter *x = l->waiters; x && x != w; x = x->next)
        if ((w->exclusive || x->exclusive) && (x->owner == to || reaches(x->owner, to, depth)))
            return true;
    return false;
}

static bool reaches(const struct advisory_owner *from, const struct advisory_owner *to, int depth)
{
    enum { MAX_DEPTH = 100 };
    const struct advisory_lock *l = from->waits_for;
    if (!l || depth > MAX_DEPTH)
        return false;
    for (const struct waiter *w = l->waiters; w; w = w->next)
        if (w->owner == from)
            return line_reaches(l, w, to, depth + 1);
    return false;
}

/* Who stands in the way of `w`, and waits for its owner in the end. */
static const struct advisory_owner *blocker(const struct advisory_lock *l, const struct waiter *w)
{
    for (const struct grant *g = l->grants; g; g = g->next)
        if (blocks(g, w->owner, w->exclusive) && reaches(g->owner, w->owner, 0))
            return g->owner;
    for (const struct waiter *x = l->waiters; x && x != w; x = x->next)
        if ((w->exclusive || x->exclusive) && reaches(x->owner, w->owner, 0))
            return x->owner;
    return w->owner;
}

static struct error *deadlock(const struct advisory_lock *l, const struct waiter *w)
{
    int32_t by = blocker(l, w)->pid;
    struct error *e = error_new("40P01", "deadlock detected");
    return error_detail(e,
                        "Process %d waits for %s on advisory lock [%u,%u,%u,%u]; blocked by "
                        "process %d.",
                        w->owner->pid, mode_name(w->exclusive), l->key.database, l->key.hi,
                        l->key.lo, l->key.kind, by);
}

/* ---- at the master: granting and releasing ----------------------------------------------------
 */

static struct advisory_lock *find_lock(struct advisory *m, const struct lock_key *k, bool make)
{
    struct advisory_lock *l = map_get(&m->locks, k, sizeof(*k));
    if (l || !make)
        return l;
    l = NEW(struct advisory_lock);
    l->key = *k;
    map_put(&m->locks, k, sizeof(*k), l);
    return l;
}

static void drop_unused(struct advisory *m, struct advisory_lock *l)
{
    if (l->grants || l->waiters)
        return;
    map_remove(&m->locks, &l->key, sizeof(l->key));
    mem_free(l);
}

static void grant(struct advisory_lock *l, struct advisory_owner *o, bool exclusive, int depth)
{
    for (struct grant *g = o->grants; g; g = g->next_of_owner)
        if (g->lock == l && g->exclusive == exclusive && g->depth == depth) {
            g->count++;
            return;
        }
    struct grant *g = NEW(struct grant);
    *g = (struct grant){.next = l->grants,
                        .next_of_owner = o->grants,
                        .lock = l,
                        .owner = o,
                        .exclusive = exclusive,
                        .depth = depth,
                        .count = 1};
    l->grants = g;
    o->grants = g;
}

/* *at is a place in its owner's list. */
static void ungrant(struct advisory *m, struct grant **at)
{
    struct grant *g = *at;
    *at = g->next_of_owner;
    for (struct grant **p = &g->lock->grants; *p; p = &(*p)->next)
        if (*p == g) {
            *p = g->next;
            break;
        }
    drop_unused(m, g->lock);
    mem_free(g);
    pthread_cond_broadcast(&m->changed);
}

/* Those of at least this depth; SESSION_LEVEL: of transactions and of the session. */
static void release_all(struct advisory *m, struct advisory_owner *o, int depth, bool session_too)
{
    for (struct grant **p = &o->grants; *p;)
        if (session_too || (*p)->depth >= depth)
            ungrant(m, p);
        else
            p = &(*p)->next_of_owner;
}

static void release_session_level(struct advisory *m, struct advisory_owner *o)
{
    for (struct grant **p = &o->grants; *p;)
        if ((*p)->depth == SESSION_LEVEL)
            ungrant(m, p);
        else
            p = &(*p)->next_of_owner;
}

/* A savepoint is released: its locks are those of what is around it. */
static void lower(struct advisory_owner *o, int depth)
{
    for (struct grant *g = o->grants; g; g = g->next_of_owner)
        g->depth = MIN(g->depth, depth);
}

static bool unlock(struct advisory *m, struct advisory_owner *o, const struct lock_key *k,
                   bool exclusive)
{
    for (struct grant **p = &o->grants; *p; p = &(*p)->next_of_owner) {
        struct grant *g = *p;
        if (g->depth != SESSION_LEVEL || g->exclusive != exclusive ||
            memcmp(&g->lock->key, k, sizeof(*k)) != 0)
            continue;
        if (--g->count == 0)
            ungrant(m, p);
        return true;
    }
    return false;
}

/* Takes what those held who are not registered any more. */
static void take_from_the_gone(struct exec *e, struct advisory_lock *l)
{
    struct advisory *m = e->advisory;
    const struct catalog_view *v = catalog_view(e->catalog);
    for (struct grant *g = l->grants, *next; g; g = next) {
        struct advisory_owner *o = g->owner;
        next = g->next;
        if (catalog_server(v, o->server))
            o->gone_since = 0;
        else if (!o->gone_since)
            o->gone_since = clock_ms();
        else if (clock_ms() - o->gone_since > GONE_MS)
            for (struct grant **p = &o->grants; *p; p = &(*p)->next_of_owner)
                if (*p == g) {
                    ungrant(m, p);
                    break;
                }
    }
    catalog_unref(v);
}

static void wait_slice(struct advisory *m)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += SLICE_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&m->changed, &m->mutex, &until);
}

struct request {
    struct lock_key key;
    bool exclusive, wait, holds_region;
    int depth;
    int32_t pid;
    uint64_t timeout_ms; /* 0: none */
};

static struct error *lock_timeout(void)
{
    return error_new("55P03", "canceling statement due to lock timeout");
}

/* In the line: until nobody is before us. The mutex is held, and given up meanwhile. */
static struct error *stand_in_line(struct exec_session *s, const struct request *q,
                                   struct advisory_lock *l, struct waiter *w)
{
    struct advisory *m = s->exec->advisory;
    uint64_t began = clock_ms(), looked = began;
    if (line_reaches(l, w, w->owner, 0))
        return deadlock(l, w);
    while (must_wait(l, w->owner, w->exclusive, w)) {
        uint64_t now = clock_ms();
        if (atomic_load(&s->cancel))
            return exec__canceled();
        if (q->timeout_ms && now - began >= q->timeout_ms)
            return lock_timeout();
        if (q->holds_region && now - began >= HOLDER_WAIT_MS)
            return error_detail(error_new("40P01", "deadlock detected"),
                                "The transaction keeps others from writing while it waits for an "
                                "advisory lock: take the lock before the first write.");
        if (now - looked >= LOOK_MS) {
            looked = now;
            take_from_the_gone(s->exec, l);
            continue;
        }
        wait_slice(m);
    }
    return NULL;
}

static struct error *wait_for(struct exec_session *s, const struct request *q,
                              struct advisory_lock *l)
{
    struct advisory_owner *o = s->advisory_owner;
    struct waiter w = {.owner = o, .exclusive = q->exclusive, .since = types_now()};
    struct waiter **p = &l->waiters;
    while (*p)
        p = &(*p)->next;
    *p = &w;
    o->waits_for = l;
    struct error *e = stand_in_line(s, q, l, &w);
    o->waits_for = NULL;
    for (p = &l->waiters; *p != &w; p = &(*p)->next)
        ;
    *p = w.next;
    pthread_cond_broadcast(&s->exec->advisory->changed);
    return e;
}

static struct error *not_master(const struct exec *e)
{
    return error_new(E_UNAVAILABLE, "server \"%s\" is not the master", e->name);
}

/* A new master waits until everybody knows of it. The mutex is held. */
static struct error *settle_in(struct exec_session *s)
{
    struct advisory *m = s->exec->advisory;
    bool alone = catalog_is_embedded(s->exec->catalog);
    while (!alone && m->leading && clock_ms() - m->leading_since < GRACE_MS) {
        if (atomic_load(&s->cancel))
            return exec__canceled();
        wait_slice(m);
    }
    return m->leading ? NULL : not_master(s->exec);
}

static struct error *acquire(struct exec_session *s, const struct request *q, bool *ret)
{
    struct advisory *m = s->exec->advisory;
    struct advisory_lock *l = find_lock(m, &q->key, true);
    struct error *e = NULL;
    *ret = !must_wait(l, s->advisory_owner, q->exclusive, NULL);
    if (!*ret && q->wait) {
        e = wait_for(s, q, l);
        *ret = !e;
    }
    if (*ret)
        grant(l, s->advisory_owner, q->exclusive, q->depth);
    else
        drop_unused(m, l);
    return e;
}

static struct advisory_owner *owner_of(struct exec_session *s, int32_t pid, const char *server)
{
    if (!s->advisory_owner)
        s->advisory_owner = NEW(struct advisory_owner);
    s->advisory_owner->pid = pid;
    snprintf(s->advisory_owner->server, sizeof(s->advisory_owner->server), "%s", server);
    return s->advisory_owner;
}

static unsigned count_grants(const struct advisory_owner *o)
{
    unsigned n = 0;
    for (const struct grant *g = o->grants; g; g = g->next_of_owner)
        n++;
    return n;
}

/* One request at the master: "<what> <pid> <database> <hi> <lo> <kind> <exclusive> <depth>
 * <timeout> <holds region> <server>". The answer: did it succeed, and how many locks are held. */
static struct error *serve(struct exec_session *s, const char *text, char tag[64])
{
    struct advisory *m = s->exec->advisory;
    char what[16], server[CATALOG_NAME_MAX + 1];
    struct request q = {0};
    int exclusive, holds;
    unsigned long long timeout;
    if (sscanf(text, "%15s %d %u %u %u %u %d %d %llu %d %63s", what, &q.pid, &q.key.database,
               &q.key.hi, &q.key.lo, &q.key.kind, &exclusive, &q.depth, &timeout, &holds,
               server) != 11)
        return error_new(E_PROTOCOL, "malformed request for an advisory lock");
    q.exclusive = exclusive != 0;
    q.holds_region = holds != 0;
    q.timeout_ms = timeout;
    q.wait = strcmp(what, "lock") == 0;
    bool done = true;
    struct error *e = NULL;
    observe(s->exec);
    pthread_mutex_lock(&m->mutex);
    struct advisory_owner *o = owner_of(s, q.pid, server);
    if (q.wait || strcmp(what, "try") == 0) {
        e = settle_in(s);
        if (!e)
            e = acquire(s, &q, &done);
    } else if (strcmp(what, "unlock") == 0) {
        done = unlock(m, o, &q.key, q.exclusive);
    } else if (strcmp(what, "unlock_all") == 0) {
        release_session_level(m, o);
    } else if (strcmp(what, "end") == 0) {
        release_all(m, o, q.depth, false);
    } else if (strcmp(what, "lower") == 0) {
        lower(o, q.depth);
    }
    unsigned left = count_grants(o);
    pthread_mutex_unlock(&m->mutex);
    snprintf(tag, 64, "ADVISORY %d %u", done, left);
    return e;
}

struct error *exec__advisory_serve(struct exec_session *s, const char *text, char tag[64])
{
    return catalog_is_master(s->exec->catalog) ? serve(s, text, tag) : not_master(s->exec);
}

static void forget_owner(struct exec_session *s)
{
    struct advisory *m = s->exec->advisory;
    if (!s->advisory_owner)
        return;
    pthread_mutex_lock(&m->mutex);
    release_all(m, s->advisory_owner, 0, true);
    pthread_mutex_unlock(&m->mutex);
    mem_free(s->advisory_owner);
    s->advisory_owner = NULL;
}

/* ---- at the gateway
 * ------------------------------------------------------------------------------
 */

static struct error *locks_lost(void)
{
    return error_hint(
        error_new(E_SERIALIZATION, "the session's advisory locks were lost with the master"),
        "Connect again, and begin anew.");
}

/* Over the connection that the session keeps for it, or a new one. */
static struct error *ask_over(struct exec_session *s, const char *master, const char *text,
                              char tag[64])
{
    if (!s->advisory_conn)
        TRY(exec__peer_get(s, master, 0, clock_ms() + s->exec->settings.retry_ms,
                           &s->advisory_conn));
    _cleanup_(mem_freep) char *whole = mem_printf("ADVISORY %s", text);
    return exec__peer_run(s, s->advisory_conn, whole, NULL, NULL, NULL, NULL, tag);
}

static struct error *ask_once(struct exec_session *s, const char *text, char tag[64])
{
    struct exec *e = s->exec;
    if (exec_locks_lost(s))
        return locks_lost();
    if (catalog_is_master(e->catalog) && !s->advisory_conn)
        return serve(s, text, tag);
    const struct catalog_view *v = catalog_view(e->catalog);
    _cleanup_(mem_freep) char *master = v->master ? mem_strdup(v->master) : NULL;
    catalog_unref(v);
    if (!master || strcmp(master, e->name) == 0)
        return error_new(E_UNAVAILABLE, "no master is elected at the moment");
    return ask_over(s, master, text, tag);
}

/* The connection goes back when nothing hangs on it. */
static void settle_connection(struct exec_session *s, unsigned left, bool broken)
{
    if (left == 0 || broken)
        atomic_store(&s->advisory_generation, 0);
    if (s->advisory_conn && broken)
        exec__peer_drop(s->advisory_conn);
    else if (s->advisory_conn && left == 0)
        exec__peer_put(s->advisory_conn);
    if (left == 0 || broken)
        s->advisory_conn = NULL;
}

static struct error *ask(struct exec_session *s, const char *text, bool *ret_done)
{
    uint64_t deadline = clock_ms() + s->exec->settings.retry_ms;
    for (;;) {
        char tag[64] = "";
        int done = 0;
        unsigned left = 0;
        uint64_t before = atomic_load(&s->advisory_generation);
        observe(s->exec);
        uint64_t now = atomic_load(&s->exec->advisory->generation);
        struct error *e = ask_once(s, text, tag);
        if (!e && sscanf(tag, "ADVISORY %d %u", &done, &left) != 2)
            e = error_new(E_PROTOCOL, "malformed answer about an advisory lock");
        *ret_done = done;
        if (!e) {
            atomic_store(&s->advisory_generation, left ? before ? before : now : 0);
            settle_connection(s, left, false);
            return NULL;
        }
        bool unreachable = exec__is_retryable(e) || error_is(e, E_UNAVAILABLE);
        if (before && unreachable) { /* what it held may be somebody else's by now */
            error_free(e);
            atomic_store(&s->advisory_generation, UINT64_MAX);
            return locks_lost();
        }
        if (!before)
            settle_connection(s, 0, false);
        if (!unreachable || clock_ms() > deadline)
            return e;
        error_free(e);
        if (atomic_load(&s->cancel))
            return exec__canceled();
        sleep_ms(SLICE_MS);
    }
}

static struct error *request(struct exec_session *s, const char *what, const struct lock_key *k,
                             bool exclusive, int depth, bool *ret)
{
    static const struct exec__wait waiting = {"Lock", "advisory"};
    const struct lock_key none = {0};
    k = k ? k : &none;
    _cleanup_(mem_freep) char *text = mem_printf(
        "%s %d %u %u %u %u %d %d %llu %d %s", what, s->pid, k->database, k->hi, k->lo, k->kind,
        exclusive, depth, (unsigned long long)s->lock_timeout_ms, s->n_held > 0, s->exec->name);
    exec__waits(s, strcmp(what, "lock") == 0 ? &waiting : NULL);
    struct error *e = ask(s, text, ret);
    exec__waits(s, NULL);
    return e;
}

/* n 1: an int8; 2: two int4 */
static struct lock_key key_of(struct exec_session *s, const struct value *v, int n)
{
    struct lock_key k = {.kind = (uint32_t)n};
    const struct catalog_view *view = exec_view(s);
    k.database = catalog_database_oid(view, s->database);
    catalog_unref(view);
    k.hi = n == 2 ? (uint32_t)v[0].i : (uint32_t)((uint64_t)v[0].i >> 32);
    k.lo = n == 2 ? (uint32_t)v[1].i : (uint32_t)v[0].i;
    return k;
}

struct error *exec__advisory_lock(struct exec_session *s, const struct value *v, int n, int how,
                                  bool *ret)
{
    const struct lock_key k = key_of(s, v, n);
    bool xact = how & ADVISORY_XACT;
    TRY(request(s, how & ADVISORY_TRY ? "try" : "lock", &k, !(how & ADVISORY_SHARED),
                xact ? s->n_savepoints : SESSION_LEVEL, ret));
    s->advisory_xact |= xact && *ret;
    return NULL;
}

struct error *exec__advisory_unlock(struct exec_session *s, const struct value *v, int n, int how,
                                    bool *ret)
{
    const struct lock_key k = key_of(s, v, n);
    bool exclusive = !(how & ADVISORY_SHARED);
    *ret = false;
    if (atomic_load(&s->advisory_generation))
        TRY(request(s, "unlock", &k, exclusive, 0, ret));
    if (!*ret)
        exec__warn(s, "you don't own a lock of type %s", mode_name(exclusive));
    return NULL;
}

struct error *exec__advisory_unlock_all(struct exec_session *s)
{
    bool done;
    return atomic_load(&s->advisory_generation) ? request(s, "unlock_all", NULL, false, 0, &done)
                                                : NULL;
}

/* What a cancel was meant for is over: these have to go through. */
static void tell(struct exec_session *s, const char *what, int depth)
{
    bool done, canceled = atomic_exchange(&s->cancel, false);
    error_free(request(s, what, NULL, false, depth, &done));
    atomic_store(&s->cancel, canceled);
}

void exec__advisory_end(struct exec_session *s, int depth)
{
    if (!s->advisory_xact)
        return;
    s->advisory_xact = depth > 0;
    tell(s, "end", depth);
}

void exec__advisory_lower(struct exec_session *s, int depth)
{
    if (s->advisory_xact)
        tell(s, "lower", depth);
}

void exec__advisory_done(struct exec_session *s)
{
    forget_owner(s);
    settle_connection(s, 0, true);
}

/* ---- pg_locks
 * ------------------------------------------------------------------------------------
 */

static struct value int_value(int64_t i)
{
    return (struct value){.kind = VALUE_INT, .i = i};
}

static struct error *give(exec__row_fn row, void *ctx, const struct lock_key *k, int32_t pid,
                          bool exclusive, const struct waiter *w)
{
    const struct value v[EXEC__N_ADVISORY] = {int_value(k->database), int_value(k->hi),
                                              int_value(k->lo),       int_value(k->kind),
                                              int_value(pid),         int_value(exclusive),
                                              int_value(w == NULL),   int_value(w ? w->since : 0)};
    return row(ctx, v, ARRAY_LEN(v));
}

/* One owner's grants on one lock in one mode are one row. */
static bool is_first(const struct advisory_lock *l, const struct grant *g)
{
    for (const struct grant *x = l->grants; x != g; x = x->next)
        if (x->owner == g->owner && x->exclusive == g->exclusive)
            return false;
    return true;
}

static struct error *list_here(struct advisory *m, exec__row_fn row, void *ctx)
{
    void *p;
    struct error *e = NULL;
    pthread_mutex_lock(&m->mutex);
    for (size_t i = 0; !e && map_next(&m->locks, &i, &p);) {
        const struct advisory_lock *l = p;
        for (const struct grant *g = l->grants; g && !e; g = g->next)
            if (is_first(l, g))
                e = give(row, ctx, &l->key, g->owner->pid, g->exclusive, NULL);
        for (const struct waiter *w = l->waiters; w && !e; w = w->next)
            e = give(row, ctx, &l->key, w->owner->pid, w->exclusive, w);
    }
    pthread_mutex_unlock(&m->mutex);
    return e;
}

struct error *exec__advisory_list(struct exec_session *s, bool here, exec__row_fn row, void *ctx)
{
    struct exec *e = s->exec;
    if (here || catalog_is_master(e->catalog))
        return list_here(e->advisory, row, ctx);
    const struct catalog_view *v = catalog_view(e->catalog);
    _cleanup_(mem_freep) char *master = v->master ? mem_strdup(v->master) : NULL;
    catalog_unref(v);
    struct peer_conn *c;
    if (!master || strcmp(master, e->name) == 0)
        return NULL; /* without a master nobody holds any */
    TRY(exec__peer_get(s, master, 0, clock_ms() + LOOK_MS, &c));
    struct error *err = exec__peer_run(s, c, "LOCKS", NULL, row, ctx, NULL, NULL);
    exec__peer_put(c);
    return err;
}
