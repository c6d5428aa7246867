/*
 * The running master: campaigns, and while elected looks at the catalog on every change of it, and
 * at least each tick, and asks the regions' primaries for what master_plan says. What fails is
 * simply planned again; a server that did not answer is left alone for a while, so that it does not
 * hold up the others.
 */
#include "master/master_int.h"

#include <time.h>

enum { MAX_ACTIONS = 64, GATHER_MS = 20, REST = 10, MAX_PLAN_MS = 50, REFUSED_MS = 2000 };

static void poke(struct master *m)
{
    pthread_mutex_lock(&m->lock);
    m->poked = true;
    pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
}

static void catalog_changed(void *ctx, const struct catalog_view *v)
{
    poke(ctx);
}

static void mastership_changed(void *ctx, bool is_master)
{
    struct master *m = ctx;
    log_info("master: server=%s %s", m->name, is_master ? "is the master now" : "is not any more");
    pthread_mutex_lock(&m->lock);
    m->elected = is_master;
    m->fresh |= is_master;
    m->poked = true;
    pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
}

/* ---- a round ------------------------------------------------------------------------------ */

static bool refused_lately(const struct master *m, const char *server)
{
    return (uintptr_t)map_get_str(&m->refused, server) > clock_ms();
}

static void ask(struct master *m, const struct master_action *a)
{
    static const char *const names[] = {[REPL_ADD_LEARNER] = "add a copy on",
                                        [REPL_REMOVE] = "remove the copy on",
                                        [REPL_TRANSFER] = "make primary"};
    if (refused_lately(m, a->server))
        return;
    struct error *e = m->io.ask(m->io.ctx, a->server, a->region, a->what, a->target);
    if (!e) {
        log_info("region=%llu primary=%s: asked to %s %s: %s", (unsigned long long)a->region,
                 a->server, names[a->what], a->target, a->why);
    } else if (!error_is(e, E_NOT_PRIMARY) && !error_is(e, "55006")) {
        log_failure(LOG_WARN, e, "region=%llu primary=%s: could not ask to %s %s",
                    (unsigned long long)a->region, a->server, names[a->what], a->target);
        map_put_str(&m->refused, a->server, (void *)(uintptr_t)(clock_ms() + REFUSED_MS));
    }
    error_free(e);
}

static bool is_stopping(struct master *m)
{
    pthread_mutex_lock(&m->lock);
    bool stop = m->stop;
    pthread_mutex_unlock(&m->lock);
    return stop;
}

static void master_round(struct master *m)
{
    struct master_action actions[MAX_ACTIONS];
    const struct catalog_view *v = catalog_view(m->catalog);
    /* without the store nobody could do what we ask, and who seems dead may just be cut off */
    if (catalog_connected(m->catalog) && v->revision != m->rests_at) {
        bool tended = master__tend_transactions(m, v);
        uint64_t began = clock_ms();
        size_t n = master_plan(&m->memory, v, began, &m->limits, actions, MAX_ACTIONS);
        m->plan_ms = (unsigned)MIN(clock_ms() - began, (uint64_t)MAX_PLAN_MS);
        for (size_t i = 0; i < n && !is_stopping(m) && catalog_is_master(m->catalog); i++)
            ask(m, &actions[i]);
        m->rests_at = !n && !tended && master_is_settled(&m->memory, clock_ms(), &m->limits)
                          ? v->revision
                          : 0;
    }
    catalog_unref(v);
}

static void forget(struct master *m)
{
    master_memory_done(&m->memory);
    m->memory = (struct master_memory){0};
    m->rests_at = 0;
}

/* With the lock held, waits until it is time for a round. */
static void wait_for_work(struct master *m)
{
    uint64_t deadline = clock_ms() + m->tick_ms;
    struct timespec t = {.tv_sec = (time_t)(deadline / 1000),
                         .tv_nsec = (long)(deadline % 1000) * 1000000L};
    if (!m->stop && !m->poked)
        pthread_cond_timedwait(&m->wake, &m->lock, &t);
    bool changed = m->poked;
    m->poked = false;
    if (changed && !m->stop) { /* changes come in bunches, and looking at all takes its time */
        pthread_mutex_unlock(&m->lock);
        sleep_ms(MAX(GATHER_MS, REST * m->plan_ms));
        pthread_mutex_lock(&m->lock);
    }
}

static void *master_main(void *arg)
{
    struct master *m = arg;
    pthread_mutex_lock(&m->lock);
    while (!m->stop) {
        wait_for_work(m);
        bool act = m->elected && !m->stop, fresh = m->fresh;
        m->fresh = false;
        pthread_mutex_unlock(&m->lock);
        if (fresh)
            forget(m);
        if (act)
            master_round(m);
        pthread_mutex_lock(&m->lock);
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

/* ---- life --------------------------------------------------------------------------------- */

static void master_free(struct master *m)
{
    forget(m);
    map_done(&m->refused);
    pthread_cond_destroy(&m->wake);
    pthread_mutex_destroy(&m->lock);
    pthread_mutex_destroy(&m->ddl);
    mem_free(m->name);
    mem_free(m);
}

static void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

struct error *master_open(const struct master_options *o, struct master **ret)
{
    if (o->copies < 1 || o->copies > CATALOG_MAX_COPIES)
        return error_hint(error_new("22023", "invalid number of copies: %d", o->copies),
                          "--copies takes 1 to %d.", CATALOG_MAX_COPIES);
    struct master *m = NEW(struct master);
    m->name = mem_strdup(o->name);
    m->catalog = o->catalog;
    m->io = o->io;
    m->copies = o->copies;
    m->one_region = o->one_region;
    m->tick_ms = o->tick_ms ? o->tick_ms : 500;
    m->limits = master_limits_default;
    m->limits.repair_ms = o->repair_ms ? o->repair_ms : m->limits.repair_ms;
    m->limits.settle_ms = o->settle_ms ? o->settle_ms : m->limits.settle_ms;
    pthread_mutex_init(&m->ddl, NULL);
    pthread_mutex_init(&m->lock, NULL);
    cond_init(&m->wake);
    int err = pthread_create(&m->thread, NULL, master_main, m);
    if (err) {
        master_free(m);
        return error_errno(E_OUT_OF_MEMORY, err, "could not start a thread");
    }
    catalog_on_change(m->catalog, catalog_changed, m);
    struct error *e = catalog_campaign(m->catalog, m->name, mastership_changed, m);
    if (e)
        master_close(m);
    else
        *ret = m;
    return e;
}

void master_close(struct master *m)
{
    if (!m)
        return;
    catalog_resign(m->catalog);
    catalog_on_change_stop(m->catalog, m);
    pthread_mutex_lock(&m->lock);
    m->stop = true;
    pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
    pthread_join(m->thread, NULL);
    master_free(m);
}
