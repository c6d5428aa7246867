/*
 * Two threads of a server that look after transactions over several regions: one ends what is
 * prepared and undecided (span.c), one finds transactions that wait for each other.
 *
 * A transaction that holds a region and waits for another's writer is noted at its gateway
 * (exec__wait_begins). After a little while the detector there follows who waits for whom, from
 * server to server:
 *
 *   a region   --OWNER, its primary-->            the transaction that holds it, and its gateway
 *   that one   --WAITS, that gateway-->           the region that it waits for
 *
 * until nobody waits, or the way leads back to where it began. Who waits goes on holding all that
 * it holds, so what was seen of a circle stays true until one of it gives up. All of them see it;
 * the one with the highest number is the one that gives up: it is cancelled, with 40P01. Before
 * that, the way is gone once more: somebody may have given up by himself meanwhile.
 *
 * Waits within one region need none of this: who holds nothing keeps nobody waiting.
 */
#include "exec/exec_int.h"

enum {
    RESOLVE_MS = 100,
    LOOK_MS = 20,       /* while somebody waits */
    FIRST_LOOK_MS = 20, /* most waits are over by then */
    ASK_MS = 500,
    LONGEST_WAY = 64,
    WAITING_MAX = 256
};

struct waiting {
    struct exec_session *s;
    struct store_request request;
    uint64_t region;
    uint64_t since;
};

struct watch {
    struct exec *exec;
    pthread_t resolver, detector;
    _Atomic bool stopping;
    pthread_mutex_t mutex; /* guards waiting, and that whoever is in it waits still */
    pthread_cond_t begun;  /* somebody waits, or stopping */
    struct map waiting;    /* seq -> struct waiting */
};

/* ---- who waits here -------------------------------------------------------------------------- */

void exec__wait_begins(struct exec_session *s, uint64_t region)
{
    struct watch *w = s->exec->watch;
    struct waiting *x = NEW(struct waiting);
    *x = (struct waiting){
        .s = s, .request = s->owner.request, .region = region, .since = clock_ms()};
    atomic_store(&s->deadlocked, false);
    pthread_mutex_lock(&w->mutex);
    map_put_u64(&w->waiting, s->owner.request.seq, x);
    pthread_cond_signal(&w->begun);
    pthread_mutex_unlock(&w->mutex);
}

struct error *exec__wait_ends(struct exec_session *s, struct error *e)
{
    struct watch *w = s->exec->watch;
    pthread_mutex_lock(&w->mutex);
    mem_free(map_remove_u64(&w->waiting, s->owner.request.seq));
    pthread_mutex_unlock(&w->mutex);
    if (!atomic_exchange(&s->deadlocked, false))
        return e;
    atomic_store(&s->cancel, false);
    error_free(e);
    e = error_new("40P01", "deadlock detected");
    error_detail(e, "The transaction waits for a table that another one writes to, which waits for "
                    "a table that this one has written to.");
    return error_hint(e, "Run the transaction again.");
}

uint64_t exec__waits_for_region(struct exec *e, uint64_t gateway, uint64_t seq)
{
    struct watch *w = e->watch;
    pthread_mutex_lock(&w->mutex);
    const struct waiting *x = gateway == e->gateway ? map_get_u64(&w->waiting, seq) : NULL;
    uint64_t region = x ? x->region : 0;
    pthread_mutex_unlock(&w->mutex);
    return region;
}

/* Those that have waited for a while. */
static size_t list(struct watch *w, struct waiting *ret, size_t max)
{
    size_t n = 0;
    void *x;
    uint64_t now = clock_ms();
    pthread_mutex_lock(&w->mutex);
    for (size_t i = 0; n < max && map_next(&w->waiting, &i, &x);)
        if (now - ((struct waiting *)x)->since >= FIRST_LOOK_MS)
            ret[n++] = *(struct waiting *)x;
    pthread_mutex_unlock(&w->mutex);
    return n;
}

static void give_up(struct watch *w, const struct waiting *x)
{
    pthread_mutex_lock(&w->mutex);
    const struct waiting *now = map_get_u64(&w->waiting, x->request.seq);
    if (now && now->s == x->s && now->since == x->since) {
        atomic_store(&x->s->deadlocked, true);
        exec_cancel(x->s);
    }
    pthread_mutex_unlock(&w->mutex);
}

/* ---- the way from one to the next ------------------------------------------------------------ */

static struct error *take_owner(void *ctx, const struct value *v, int n)
{
    struct region_owner *o = ctx;
    if (n != 3 || v[0].kind != VALUE_INT || v[1].kind != VALUE_INT || v[2].kind != VALUE_TEXT ||
        v[2].s.n >= sizeof(o->server))
        return error_new(E_PROTOCOL, "malformed answer about the owner of a region");
    o->request.gateway = (uint64_t)v[0].i;
    o->request.seq = (uint64_t)v[1].i;
    snprintf(o->server, sizeof(o->server), "%.*s", (int)v[2].s.n, v[2].s.p);
    return NULL;
}

static struct error *ask_owner(struct exec_session *s, uint64_t region, struct region_owner *ret)
{
    struct place at;
    struct peer_conn *c;
    char text[40];
    *ret = (struct region_owner){0};
    TRY(exec__place(s->exec, region, &at));
    if (at.here)
        return region_get_owner(s->exec->regions, region, ret);
    s->patience = clock_ms() + ASK_MS;
    TRY(exec__peer_get(s, at.server, region, s->patience, &c));
    snprintf(text, sizeof(text), "OWNER %llu", (unsigned long long)region);
    struct error *e = exec__peer_run(s, c, text, NULL, take_owner, ret, NULL, NULL);
    exec__peer_put(c);
    return e;
}

static struct error *ask_waits(struct exec_session *s, const struct region_owner *o, uint64_t *ret)
{
    struct peer_conn *c;
    char text[60], tag[64] = "";
    unsigned long long region;
    if (strcmp(o->server, s->exec->name) == 0) {
        *ret = exec__waits_for_region(s->exec, o->request.gateway, o->request.seq);
        return NULL;
    }
    s->patience = clock_ms() + ASK_MS;
    TRY(exec__peer_get(s, o->server, 0, s->patience, &c));
    snprintf(text, sizeof(text), "WAITS %llu %llu", (unsigned long long)o->request.gateway,
             (unsigned long long)o->request.seq);
    struct error *e = exec__peer_run(s, c, text, NULL, NULL, NULL, NULL, tag);
    exec__peer_put(c);
    if (!e && sscanf(tag, "WAITS %llu", &region) != 1)
        e = error_new(E_PROTOCOL, "malformed answer about a transaction");
    if (!e)
        *ret = region;
    return e;
}

static int compare(const struct store_request *x, const struct store_request *y)
{
    if (x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    return x->gateway < y->gateway ? -1 : x->gateway > y->gateway;
}

/* *ret: the way leads back to x, and x is the highest on it. */
static struct error *is_to_give_up(struct exec_session *s, const struct waiting *x, bool *ret)
{
    struct region_owner o;
    uint64_t region = x->region;
    *ret = false;
    for (int i = 0; i < LONGEST_WAY && region; i++) {
        TRY(ask_owner(s, region, &o));
        if (!o.request.gateway || compare(&o.request, &x->request) > 0)
            return NULL;
        if (compare(&o.request, &x->request) == 0) {
            *ret = i > 0;
            return NULL;
        }
        TRY(ask_waits(s, &o, &region));
    }
    return NULL;
}

static void look_at(struct exec_session *s, const struct waiting *x)
{
    bool circle = true;
    struct error *e = NULL;
    for (int i = 0; i < 2 && circle && !e; i++)
        e = is_to_give_up(s, x, &circle);
    if (e)
        log_failure(LOG_DEBUG, e, "region=%llu: who holds it is not known",
                    (unsigned long long)x->region);
    else if (circle)
        give_up(s->exec->watch, x);
    error_free(e);
}

static void look_for_deadlocks(struct exec_session *s)
{
    struct waiting all[WAITING_MAX];
    size_t n = list(s->exec->watch, all, WAITING_MAX);
    for (size_t i = 0; i < n; i++)
        look_at(s, &all[i]);
}

/* ---- the threads ------------------------------------------------------------------------------
 */

static struct exec_session *own_session(struct exec *e)
{
    const struct exec_session_options o = {.internal = true};
    return exec_session_new(e, &o);
}

static void *resolve(void *ctx)
{
    struct watch *w = ctx;
    struct exec_session *s = own_session(w->exec);
    uint64_t forgot_at = clock_ms();
    for (; !atomic_load(&w->stopping); sleep_ms(RESOLVE_MS))
        exec__look_after_spans(s, &forgot_at);
    exec_session_free(s);
    return NULL;
}

/* Until then; false: it is time to stop. */
static bool somebody_waits(struct watch *w)
{
    pthread_mutex_lock(&w->mutex);
    while (!w->waiting.len && !atomic_load(&w->stopping))
        pthread_cond_wait(&w->begun, &w->mutex);
    pthread_mutex_unlock(&w->mutex);
    return !atomic_load(&w->stopping);
}

static void *detect(void *ctx)
{
    struct watch *w = ctx;
    struct exec_session *s = own_session(w->exec);
    for (; somebody_waits(w); sleep_ms(LOOK_MS))
        look_for_deadlocks(s);
    exec_session_free(s);
    return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *ctx), struct watch *w)
{
    if (pthread_create(thread, NULL, run, w) != 0) {
        log_error("could not start a thread");
        abort();
    }
}

struct watch *exec__watch_new(struct exec *e)
{
    struct watch *w = NEW(struct watch);
    w->exec = e;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->begun, NULL);
    return w;
}

void exec__watch_start(struct watch *w)
{
    start(&w->resolver, resolve, w);
    start(&w->detector, detect, w);
}

void exec__watch_free(struct watch *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->mutex);
    atomic_store(&w->stopping, true);
    pthread_cond_signal(&w->begun);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->resolver, NULL);
    pthread_join(w->detector, NULL);
    map_done(&w->waiting);
    pthread_cond_destroy(&w->begun);
    pthread_mutex_destroy(&w->mutex);
    mem_free(w);
}
