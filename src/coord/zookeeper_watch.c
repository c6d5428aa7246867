/*
 * Watches over ZooKeeper: a thread each that follows the log of changes (see zookeeper.c), woken by
 * a native watch on the log's head.
 *
 *   LOST -> FOLLOWING       [locate]  the record that `after` belongs to is there
 *   LOST -> LOST            [step]    it isn't: the watcher loaded everything, and said as of when
 *   FOLLOWING -> FOLLOWING  [follow]  one more record was delivered
 *   FOLLOWING -> LOST       [step]    the next record is gone, or the log is another one
 *
 * Invariants:
 *  1. `after` is the revision of record `at`, which was delivered whole, while FOLLOWING.
 *  2. A native watch tells nothing but "look again"; what there is to tell comes from the log. So
 *     one that fires twice, or for somebody else, does no harm. Connections that broke fire, too.
 *  3. Keys that vanish with their session leave no record by themselves. Every watch looks after
 *     all of them, and the first to see one gone writes the record; the fence makes it one.
 */
#include "coord/zookeeper_int.h"

enum { LOOK_MS = 2000, CALL_MS = 1000, PATIENCE_MS = 200 };

struct zk_watch {
    struct coord_watch base;
    struct zookeeper *z;
    struct coord_watcher watcher;
    char *prefix;
    pthread_t thread;
    bool stop; /* guarded by z->lock */
    /* the thread's */
    uint64_t after;
    bool following;
    uint32_t at;
    bool connected, told;
    uint64_t checked_stirs, checked_held; /* when session keys were looked at last */
};

static void tell_connected(struct zk_watch *w, bool connected)
{
    if (w->told && w->connected == connected)
        return;
    w->told = true;
    w->connected = connected;
    if (w->watcher.connected)
        w->watcher.connected(w->watcher.ctx, connected);
}

static bool stopped(struct zk_watch *w)
{
    pthread_mutex_lock(&w->z->lock);
    bool stop = w->stop;
    pthread_mutex_unlock(&w->z->lock);
    return stop;
}

/* ---- the log ------------------------------------------------------------------------------ */

/* Finds the newest record that is not newer than `after`. *ret_found false: it is gone. */
static struct error *locate(struct zk_watch *w, struct zk_conn *c, const struct zk_head *head,
                            bool *ret_found)
{
    uint32_t i = head->number;
    bool older = head->revision <= w->after;
    *ret_found = true;
    for (; !older && *ret_found && i + 1 != head->first; i--) {
        struct zk_record record = {0};
        TRY(zk__read_record(c, i, clock_ms() + CALL_MS, &record, ret_found));
        older = *ret_found && record.revision <= w->after;
        zk__record_done(&record);
        if (older)
            break;
    }
    *ret_found = older || (*ret_found && head->first == 1); /* all of it, from the beginning */
    w->following = *ret_found;
    w->at = i;
    return NULL;
}

static void deliver(struct zk_watch *w, const struct zk_record *record)
{
    struct coord_event *events = mem_alloc((record->n + 1) * sizeof(*events));
    size_t n = 0;
    for (size_t i = 0; i < record->n; i++)
        if (coord__has_prefix(record->events[i].kv.key, w->prefix))
            events[n++] = record->events[i];
    if (n)
        w->watcher.events(w->watcher.ctx, record->revision, events, n);
    mem_free(events);
}

/* Delivers what came after `at`. *ret_found false: the log lacks it. */
static struct error *follow(struct zk_watch *w, struct zk_conn *c, const struct zk_head *head,
                            bool *ret_found)
{
    *ret_found = true;
    while (w->at != head->number && !stopped(w)) {
        struct zk_record record = {0};
        TRY(zk__read_record(c, w->at + 1, clock_ms() + CALL_MS, &record, ret_found));
        if (!*ret_found)
            return NULL;
        deliver(w, &record);
        w->after = record.revision;
        w->at++;
        zk__record_done(&record);
    }
    return NULL;
}

/* ---- keys of sessions --------------------------------------------------------------------- */

static struct error *find_vanished(struct zk_conn *c, const struct zk_head *head,
                                   struct zk_held *ret, size_t *ret_n)
{
    _cleanup_(zk__batch_donep) struct zk_batch *b = zk__batch_new(c, head->n_held);
    for (size_t i = 0; i < head->n_held; i++) {
        _cleanup_(mem_freep) char *path = zk__path_at(head->held[i].key);
        zk__exists(b, path, true);
    }
    TRY(zk__wait(b, clock_ms() + CALL_MS));
    for (size_t i = 0; i < head->n_held; i++)
        if (zk__reply(b, i)->rc == ZNONODE)
            ret[(*ret_n)++] = (struct zk_held){mem_strdup(head->held[i].key), head->held[i].lease};
    return NULL;
}

/* Invariant 3. Looks only when there is a reason: a native watch on one of them
 * fired (for any change, and only once), or there are others than last time. */
static struct error *look_after_sessions(struct zk_watch *w, struct zk_conn *c,
                                         struct zk_head *head, uint64_t stirs)
{
    _cleanup_(buf_done) struct buf text = {0};
    zk__head_text(head, &text);
    uint64_t held = hash_bytes(text.data, text.len);
    if (w->checked_stirs == stirs && w->checked_held == held)
        return NULL;
    struct zk_held *gone = mem_zalloc((head->n_held + 1) * sizeof(*gone));
    size_t n = 0;
    bool done = true;
    struct error *e = find_vanished(c, head, gone, &n);
    if (!e && n)
        e = zk__drop_held(c, head, gone, n, false, clock_ms() + CALL_MS, &done);
    if (!e && done) {
        w->checked_stirs = stirs;
        w->checked_held = held;
    }
    for (size_t i = 0; i < n; i++)
        mem_free(gone[i].key);
    mem_free(gone);
    return e;
}

/* ---- the thread --------------------------------------------------------------------------- */

/* Follows the log to its end. *ret_found false: what should come next can't be told. */
static struct error *look(struct zk_watch *w, struct zk_conn *c, uint64_t stirs, bool *ret_found)
{
    _cleanup_(zk__head_done) struct zk_head head = {0};
    TRY(zk__connected(c, clock_ms() + PATIENCE_MS));
    TRY(zk__read_head(c, false, true, clock_ms() + CALL_MS, &head));
    if (head.revision < w->after) { /* a member that lags, or a store that was replaced */
        zk__head_done(&head);
        TRY(zk__read_head(c, true, true, clock_ms() + CALL_MS, &head));
    }
    tell_connected(w, true);
    *ret_found = head.revision >= w->after;
    if (*ret_found && !w->following)
        TRY(locate(w, c, &head, ret_found));
    if (*ret_found)
        TRY(follow(w, c, &head, ret_found));
    return *ret_found ? look_after_sessions(w, c, &head, stirs) : NULL;
}

static struct error *look_connected(struct zk_watch *w, uint64_t stirs, bool *ret_found)
{
    struct zk_conn *c;
    TRY(zk__conn(w->z, 0, &c));
    struct error *e = look(w, c, stirs, ret_found);
    zk__conn_unref(c);
    return e;
}

/* One look. Returns how long to wait for news until the next. */
static unsigned step(struct zk_watch *w, uint64_t stirs)
{
    bool found = true;
    struct error *e = look_connected(w, stirs, &found);
    if (e) {
        if (error_is(e, E_UNAVAILABLE))
            tell_connected(w, false);
        else
            log_failure(LOG_WARN, e, "a watch of the coordination store");
        error_free(e);
        return PATIENCE_MS;
    }
    if (found)
        return LOOK_MS;
    w->following = false;
    uint64_t loaded = w->watcher.resync(w->watcher.ctx);
    if (loaded)
        w->after = loaded;
    return loaded ? 0 : PATIENCE_MS;
}

static void *watch_main(void *arg)
{
    struct zk_watch *w = arg;
    struct zookeeper *z = w->z;
    while (!stopped(w)) {
        pthread_mutex_lock(&z->lock);
        uint64_t news = z->news, stirs = z->stirs;
        pthread_mutex_unlock(&z->lock);
        unsigned wait_ms = step(w, stirs);
        if (wait_ms)
            zk__wait_news(z, news, &w->stop, clock_ms() + wait_ms);
    }
    return NULL;
}

/* ---- life --------------------------------------------------------------------------------- */

static void watch_close(struct coord_watch *base)
{
    struct zk_watch *w = (struct zk_watch *)base;
    pthread_mutex_lock(&w->z->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->z->changed);
    pthread_mutex_unlock(&w->z->lock);
    pthread_join(w->thread, NULL);
    mem_free(w->prefix);
    mem_free(w);
}

struct error *zk__watch(struct coord *c, const char *prefix, uint64_t after,
                        const struct coord_watcher *watcher, struct coord_watch **ret)
{
    struct zk_watch *w = NEW(struct zk_watch);
    *w = (struct zk_watch){.base.close = watch_close,
                           .z = (struct zookeeper *)c,
                           .watcher = *watcher,
                           .prefix = mem_strdup(prefix),
                           .after = after};
    int err = pthread_create(&w->thread, NULL, watch_main, w);
    if (err) {
        mem_free(w->prefix);
        mem_free(w);
        return error_errno(E_OUT_OF_MEMORY, err, "could not start a thread");
    }
    *ret = &w->base;
    return NULL;
}
