/*
 * Watches over etcd's JSON gateway: a POST whose answer never ends, one JSON object a line.
 *
 *   CONNECTING -> STREAMING   [take_line]   etcd said `created`; changes follow
 *   any -> CONNECTING         [stream]      the connection broke, stalled, or the next endpoint is
 * to be tried any -> RELOADING          [watch_main]  etcd said `compact_revision`, or its revision
 * went back RELOADING -> CONNECTING   [watch_main]  the watcher loaded everything and said as of
 * which revision
 *
 * Invariants:
 *  1. `after` is the last revision that was delivered whole. A new stream starts at after + 1, so
 * nothing is left out or told twice. etcd never splits a revision over two lines.
 *  2. An open stream proves nothing: its member may hang or be cut off from the others, and then
 * nothing comes, for ever. So each PROBE_MS of silence the store's revision is read (linearizable,
 * from any member). If it was already ahead of `after` one probe ago, the stream is given up for
 * one at another member. Changes outside the prefix look the same; so the patience doubles each
 * time that this brought nothing.
 */
#include "coord/etcd_int.h"

#include <errno.h>

enum { PROBE_MS = 1000, CALL_MS = 1000, PATIENCE_MAX_MS = 30000 };

struct etcd_watch {
    struct coord_watch base;
    struct etcd *e;
    struct coord_watcher watcher;
    char *prefix;
    pthread_t thread;
    CURLM *multi;
    atomic_bool stop;
    /* the thread's */
    uint64_t after;
    size_t endpoint;
    bool connected, told;
    unsigned patience_ms;
    /* of the present stream */
    struct buf line;
    const char *body;
    size_t body_sent;
    bool created, compacted, broken;
    uint64_t last_line_ms; /* when something was last heard */
    uint64_t ahead_since;  /* since when the store is known to be ahead; 0: it is not */
};

static void tell_connected(struct etcd_watch *w, bool connected)
{
    if (w->told && w->connected == connected)
        return;
    w->told = true;
    w->connected = connected;
    if (w->watcher.connected)
        w->watcher.connected(w->watcher.ctx, connected);
}

/* ---- what etcd says ----------------------------------------------------------------------- */

static bool take_event(const json_t *o, struct coord_event *ret)
{
    const char *type = json_string_value(json_object_get(o, "type"));
    if (!etcd__kv(json_object_get(o, "kv"), &ret->kv))
        return false;
    ret->deleted = type && strcmp(type, "DELETE") == 0;
    return true;
}

/* Delivers the changes of one line. False: malformed. */
static bool take_events(struct etcd_watch *w, const json_t *array)
{
    size_t max = json_array_size(array), n = 0;
    struct coord_event *events = mem_zalloc(max * sizeof(*events));
    uint64_t newest = w->after;
    bool ok = true;
    for (size_t i = 0; i < max && ok; i++) {
        ok = take_event(json_array_get(array, i), &events[n]);
        if (ok) {
            newest = MAX(newest, events[n].kv.mod_revision);
            n++;
        }
    }
    if (ok && newest > w->after) {
        w->watcher.events(w->watcher.ctx, newest, events, n);
        w->after = newest;
        w->ahead_since = 0;
        w->patience_ms = PROBE_MS;
    }
    for (size_t i = 0; i < n; i++)
        coord__kv_done(&events[i].kv);
    mem_free(events);
    return ok;
}

/* False: this stream is over. */
static bool take_line(struct etcd_watch *w, const char *text, size_t len)
{
    json_t *o = json_loadb(text, len, 0, NULL);
    const json_t *result = json_object_get(o, "result");
    bool ok = json_is_object(result);
    if (ok) {
        uint64_t compacted;
        const json_t *events = json_object_get(result, "events");
        if (json_is_true(json_object_get(result, "canceled"))) {
            w->compacted = etcd__u64(result, "compact_revision", &compacted) && compacted > 0;
            if (!w->compacted) /* it doesn't know us any more, maybe */
                etcd__forget_token(w->e);
            ok = false;
        } else if (json_array_size(events) > 0) {
            ok = take_events(w, events);
        } else if (json_is_true(json_object_get(result, "created"))) {
            w->created = true;
            tell_connected(w, true);
        }
    }
    json_decref(o);
    w->last_line_ms = clock_ms();
    return ok;
}

static size_t take_bytes(char *data, size_t size, size_t n, void *arg)
{
    struct etcd_watch *w = arg;
    if (w->line.len + size * n > ETCD_ANSWER_MAX)
        return 0;
    buf_append(&w->line, data, size * n);
    size_t from = 0;
    for (char *end; (end = memchr(w->line.data + from, '\n', w->line.len - from));) {
        size_t len = (size_t)(end - w->line.data) - from;
        if (w->stop || (len > 0 && !take_line(w, w->line.data + from, len))) {
            w->broken = true;
            return 0;
        }
        from += len + 1;
    }
    w->line.len -= from;
    memmove(w->line.data, w->line.data + from, w->line.len);
    return size * n;
}

/* ---- one stream --------------------------------------------------------------------------- */

/* Once a while of silence: is there something that should have come? False: give the stream up. */
static bool probe(struct etcd_watch *w)
{
    uint64_t now;
    struct error *error = etcd__current(w->e, CALL_MS, &now);
    w->last_line_ms = clock_ms();
    if (error) {
        error_free(error);
        tell_connected(w, false);
        return true; /* the stream itself may well outlast the outage */
    }
    if (w->created)
        tell_connected(w, true);
    if (now < w->after) { /* another store, or one put back from a backup */
        w->compacted = true;
        return false;
    }
    if (now == w->after) {
        w->ahead_since = 0;
    } else if (!w->ahead_since) {
        w->ahead_since = clock_ms();
    } else if (clock_ms() - w->ahead_since >= w->patience_ms) {
        w->patience_ms = MIN(w->patience_ms * 2, (unsigned)PATIENCE_MAX_MS);
        return false;
    }
    return true;
}

static size_t give_body(char *to, size_t size, size_t n, void *arg)
{
    struct etcd_watch *w = arg;
    size_t part = MIN(size * n, strlen(w->body) - w->body_sent);
    memcpy(to, w->body + w->body_sent, part);
    w->body_sent += part;
    return part;
}

static char *request_text(struct etcd_watch *w)
{
    _cleanup_(mem_freep) char *end = coord__prefix_end(w->prefix);
    bool all = !*w->prefix; /* a single zero byte stands for the least key, and for no end */
    json_t *request =
        json_pack("{s:{s:o, s:o, s:o, s:b}}", "create_request", "key",
                  etcd__json_bytes(w->prefix, all ? 1 : strlen(w->prefix)), "range_end",
                  etcd__json_bytes(end, *end ? strlen(end) : 1), "start_revision",
                  etcd__json_u64(w->after + 1), "progress_notify", 0);
    char *text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    return text;
}

/* Runs the transfer until it ends by itself, stalls, or the watch is closed. */
static void drive(struct etcd_watch *w)
{
    w->last_line_ms = clock_ms();
    for (int running = 1; running && !w->stop;) {
        if (curl_multi_perform(w->multi, &running) != CURLM_OK)
            return;
        if (!running || w->broken)
            return;
        curl_multi_poll(w->multi, NULL, 0, PROBE_MS / 4, NULL);
        uint64_t silence = clock_ms() - w->last_line_ms;
        if (!w->stop && silence >= PROBE_MS) {
            curl_multi_perform(w->multi, &running); /* what came meanwhile counts */
            if (clock_ms() - w->last_line_ms >= PROBE_MS && (!w->created || !probe(w)) &&
                (w->created || silence >= 2 * PROBE_MS))
                return;
        }
    }
}

static void stream(struct etcd_watch *w)
{
    w->created = w->compacted = w->broken = false;
    char why[CURL_ERROR_SIZE];
    int code;
    _cleanup_(mem_freep) char *authorization = NULL;
    if (!etcd__authorization(w->e, w->endpoint, CALL_MS, &authorization, &code, why))
        return;
    struct curl_slist user = {.data = authorization};
    struct curl_slist no_expect = {.data = (char *)"Expect:", .next = authorization ? &user : NULL};
    char *body = request_text(w);
    _cleanup_(mem_freep) char *url = mem_printf("%s/v3/watch", w->e->endpoints[w->endpoint]);
    CURL *h = curl_easy_init();
    if (!h || !body)
        goto out;
    w->ahead_since = 0;
    w->body = body;
    w->body_sent = 0;
    buf_clear(&w->line);
    etcd__setup(w->e, h, url);
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, &no_expect);
    curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
    curl_easy_setopt(h, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(h, CURLOPT_READDATA, w);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, w);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, 1000L);
    curl_multi_add_handle(w->multi, h);
    drive(w);
    curl_multi_remove_handle(w->multi, h);
out:
    curl_easy_cleanup(h);
    free(body);
}

static void pause_watch(struct etcd_watch *w, int ms)
{
    if (!w->stop)
        curl_multi_poll(w->multi, NULL, 0, ms, NULL); /* curl_multi_wakeup ends it */
}

static void *watch_main(void *arg)
{
    struct etcd_watch *w = arg;
    while (!w->stop) {
        stream(w);
        if (w->stop)
            break;
        if (w->compacted) {
            uint64_t loaded = w->watcher.resync(w->watcher.ctx);
            if (loaded)
                w->after = loaded;
            else
                pause_watch(w, 200);
            continue;
        }
        w->endpoint = (w->endpoint + 1) % w->e->n_endpoints;
        if (!w->created)
            tell_connected(w, false);
        pause_watch(w, 100);
    }
    return NULL;
}

/* ---- life --------------------------------------------------------------------------------- */

static void watch_free(struct etcd_watch *w)
{
    if (w->multi)
        curl_multi_cleanup(w->multi);
    buf_done(&w->line);
    mem_free(w->prefix);
    mem_free(w);
}

static void etcd_watch_close(struct coord_watch *base)
{
    struct etcd_watch *w = (struct etcd_watch *)base;
    atomic_store(&w->stop, true);
    curl_multi_wakeup(w->multi);
    pthread_join(w->thread, NULL);
    watch_free(w);
}

struct error *etcd__watch(struct coord *c, const char *prefix, uint64_t after,
                          const struct coord_watcher *watcher, struct coord_watch **ret)
{
    struct etcd_watch *w = NEW(struct etcd_watch);
    w->base.close = etcd_watch_close;
    w->e = (struct etcd *)c;
    w->watcher = *watcher;
    w->prefix = mem_strdup(prefix);
    w->after = after;
    w->endpoint = atomic_load(&w->e->preferred);
    w->patience_ms = PROBE_MS;
    w->multi = curl_multi_init();
    int err = w->multi ? pthread_create(&w->thread, NULL, watch_main, w) : ENOMEM;
    if (err) {
        watch_free(w);
        return error_errno(E_OUT_OF_MEMORY, err, "could not start a watch");
    }
    *ret = &w->base;
    return NULL;
}
