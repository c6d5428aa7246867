/* The world: events in order of time, clocks that drift, a network that loses, repeats, reorders
 * and delays, servers that start and crash. */
#include "sim/sim_int.h"

uint64_t sim__chance(struct sim *s, uint64_t n)
{
    return rng_below(&s->rng, n);
}

uint64_t sim__between(struct sim *s, uint64_t low, uint64_t high)
{
    return low + sim__chance(s, high - low + 1);
}

bool sim__likely(struct sim *s, unsigned of_1000)
{
    return of_1000 && sim__chance(s, 1000) < of_1000;
}

/* ---- events
 * -------------------------------------------------------------------------------------- */

struct event *event__new(enum event_kind kind, unsigned server, unsigned region)
{
    struct event *e = NEW(struct event);
    e->kind = kind;
    e->server = server;
    e->region = region;
    return e;
}

void event__free(struct event *e)
{
    mem_free(e->bytes);
    mem_free(e->file);
    mem_free(e);
}

static bool before(const struct queued *a, const struct queued *b)
{
    return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

void event__at(struct sim *s, uint64_t delay, struct event *e)
{
    if (s->n_queue == s->cap_queue) {
        s->cap_queue = s->cap_queue ? s->cap_queue * 2 : 256;
        s->queue = mem_realloc(s->queue, s->cap_queue * sizeof(*s->queue));
    }
    struct queued q = {.at = s->now + delay, .seq = s->seq++, .event = e};
    size_t i = s->n_queue++;
    for (; i && before(&q, &s->queue[(i - 1) / 2]); i = (i - 1) / 2)
        s->queue[i] = s->queue[(i - 1) / 2];
    s->queue[i] = q;
}

void event__at_process(struct sim *s, uint64_t delay, struct event *e)
{
    e->incarnation = s->servers[e->server].incarnation;
    event__at(s, delay, e);
}

static struct queued pop(struct sim *s)
{
    struct queued top = s->queue[0], last = s->queue[--s->n_queue];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < s->n_queue; i = child) {
        if (child + 1 < s->n_queue && before(&s->queue[child + 1], &s->queue[child]))
            child++;
        if (before(&last, &s->queue[child]))
            break;
        s->queue[i] = s->queue[child];
    }
    s->queue[i] = last;
    return top;
}

/* Does it happen inside a server's process (and so not while that is stopped)? */
static bool inside(enum event_kind kind)
{
    return kind == EV_TICK || kind == EV_MESSAGE || kind == EV_SYNCED || kind == EV_ANSWER ||
           kind == EV_WATCH || kind == EV_READ_STORE || kind == EV_SNAPSHOT_DONE ||
           kind == EV_PEER_DOWN || kind == EV_ASK || kind == EV_HOUSEKEEPING ||
           kind == EV_REQUEST || kind == EV_READ_DONE;
}

/* The next thing that happens; what waits for a server__paused server is put off until it goes on.
 */
bool event__next(struct sim *s, struct event **ret)
{
    while (s->n_queue) {
        struct queued q = pop(s);
        s->now = q.at;
        struct event *e = q.event;
        if (!inside(e->kind)) {
            *ret = e;
            return true;
        }
        struct sim_server *v = &s->servers[e->server];
        if (!v->up || (e->incarnation && e->incarnation != v->incarnation)) {
            event__free(e);
            continue;
        }
        if (server__paused(s, v)) {
            event__at(s, v->paused_until - s->now, e);
            continue;
        }
        *ret = e;
        return true;
    }
    return false;
}

/* ---- servers
 * ------------------------------------------------------------------------------------- */

uint64_t server__clock(const struct sim *s, const struct sim_server *v)
{
    return (uint64_t)(v->offset_ms +
                      (int64_t)((s->now - v->clock_at) / 1000 * v->rate_ppm / 1000000));
}

bool server__paused(const struct sim *s, const struct sim_server *v)
{
    return s->now < v->paused_until;
}

uint64_t net__delay(struct sim *s)
{
    if (s->now < s->slow_net_until && sim__likely(s, 700))
        return sim__between(s, 100 * MS, 1500 * MS);
    if (s->faults && sim__likely(s, s->knobs.slow))
        return sim__between(s, 1 * MS, 300 * MS);
    return sim__between(s, s->knobs.net_us / 10 + 1, s->knobs.net_us);
}

static void send_copy(struct sim *s, unsigned from, unsigned to, const void *data, size_t len)
{
    struct event *e = event__new(EV_MESSAGE, to, 0);
    e->from = from;
    e->bytes = mem_alloc(len);
    memcpy(e->bytes, data, len);
    e->len = len;
    uint64_t arrives = s->now + net__delay(s), *last = &s->last_arrival[from][to];
    if (!s->faults || !sim__likely(s, s->knobs.reorder))
        arrives = MAX(arrives, *last); /* as over one connection */
    *last = MAX(*last, arrives);
    event__at(s, arrives - s->now, e);
}

static void send_message(void *ctx, repl_node to, bool urgent, const void *data, size_t len)
{
    struct sim_server *v = ctx;
    struct sim *s = v->replicas[0].sim;
    (void)urgent;
    if (v->dying)
        return; /* whatever it does now, nobody sees it */
    if (to >= s->n_servers || to == v->id)
        sim__fail(s, "server %u sends to %u", v->id, to);
    if (s->now < s->blocked_until[v->id][to] || (s->faults && sim__likely(s, s->knobs.loss))) {
        sim__trace_message(s, v->id, to, " (lost)", data, len);
        return;
    }
    send_copy(s, v->id, to, data, len);
    if (s->faults && sim__likely(s, s->knobs.duplicates))
        send_copy(s, v->id, to, data, len);
}

void server__message(struct sim *s, struct sim_server *v, struct event *e)
{
    if (s->now < s->blocked_until[e->from][v->id])
        return;
    sim__trace_message(s, e->from, v->id, "", e->bytes, e->len);
    repl_receive(v->core, server__clock(s, v), e->from, e->bytes, e->len);
}

/* One tick is planned at a time; an earlier need replaces a later plan. */
void server__plan_tick(struct sim *s, struct sim_server *v)
{
    uint64_t now = server__clock(s, v), next = repl_next_tick(v->core);
    uint64_t delay = next > now ? (next - now) * 1000 : 500;
    if (v->tick_at > s->now && v->tick_at <= s->now + delay)
        return;
    if (sim__likely(s, 100))
        delay += sim__chance(s, 20 * MS);
    v->tick_at = s->now + delay;
    struct event *e = event__new(EV_TICK, v->id, 0);
    e->incarnation = v->incarnation;
    event__at(s, delay, e);
}

void server__tick(struct sim *s, struct sim_server *v)
{
    if (v->tick_at <= s->now)
        v->tick_at = 0;
    repl_tick(v->core, server__clock(s, v));
}

static bool start_core(struct sim *s, struct sim_server *v)
{
    struct repl_io io = replica__io;
    io.ctx = v;
    io.send = send_message;
    v->core = repl_new(&s->repl, &io, v->id, v->incarnation, server__clock(s, v));
    return server__open(s, v);
}

void server__start(struct sim *s, struct sim_server *v)
{
    v->up = v->opening = true;
    v->incarnation = ++s->next_incarnation;
    v->offset_ms = (int64_t)sim__between(s, 1, 1000000);
    v->clock_at = s->now;
    v->sync_running = false;
    v->tick_at = 0;
    v->paused_until = 0;
    memset(v->known, 0, sizeof(v->known));
    STORY(s, "s%u starts", v->id);
    if (!start_core(s, v)) {
        server__crash(s, v, v->dying && sim__likely(s, 500));
        server__restart_later(s, v);
        return;
    }
    event__at_process(s, sim__between(s, 1 * MS, 50 * MS), event__new(EV_READ_STORE, v->id, 0));
    event__at_process(s, sim__between(s, 10 * MS, 500 * MS), event__new(EV_HOUSEKEEPING, v->id, 0));
    server__plan_tick(s, v);
}

void server__restart_later(struct sim *s, struct sim_server *v)
{
    uint64_t delay = sim__likely(s, 300)   ? sim__between(s, 1 * MS, 100 * MS)
                     : sim__likely(s, 800) ? sim__between(s, 100 * MS, 3 * SECOND)
                                           : sim__between(s, 3 * SECOND, 10 * SECOND);
    event__at(s, delay, event__new(EV_RESTART, v->id, 0));
}

/* Some of the others notice at once; now and then one is wrong. */
static void tell_that_down(struct sim *s, unsigned server)
{
    for (unsigned i = 0; i < s->n_servers; i++) {
        if (i == server || !s->servers[i].up || sim__likely(s, 500))
            continue;
        struct event *e = event__new(EV_PEER_DOWN, i, 0);
        e->from = sim__likely(s, 950) ? server : (unsigned)sim__chance(s, s->n_servers);
        event__at(s, sim__between(s, 1 * MS, 50 * MS), e);
    }
}

/* What was being written when it ended is there in part. */
static void end_writes(struct sim *s, struct sim_server *v)
{
    enum { MOST_OPS = 6 };
    if (v->wal && !v->dying && !v->log_failed && sim__likely(s, 700)) {
        v->disk.dies_in = sim__between(s, 1, MOST_OPS);
        error_free(wal_sync(v->wal, UINT64_MAX));
    }
    v->disk.dead = true;
    wal_close(v->wal);
    v->wal = NULL;
}

/* The process is gone at once; with `power`, so is all that was not synced. */
void server__crash(struct sim *s, struct sim_server *v, bool power)
{
    STORY(s, "s%u crashes%s%s", v->id, v->dying ? " in a disk operation" : "",
          power ? ", power cut" : "");
    s->stats->crashes++;
    s->stats->mid_disk += v->dying;
    v->up = false;
    tell_that_down(s, v->id);
    repl_free(v->core);
    v->core = NULL;
    end_writes(s, v);
    disk__restart(s, v, power);
    v->dying = false;
    for (unsigned i = 0; i < s->n_regions; i++) {
        replica__forget(&v->replicas[i]);
        copy__crash(s, &v->copies[i], power);
        s->regions[i].dirty = true;
    }
}

void world__free(struct sim *s)
{
    for (unsigned i = 0; i < s->n_servers; i++) {
        struct sim_server *v = &s->servers[i];
        repl_free(v->core);
        v->disk.dead = true;
        wal_close(v->wal);
        for (unsigned j = 0; j < s->n_regions; j++) {
            replica__forget(&v->replicas[j]);
            copy__wipe(&v->copies[j]);
        }
        disk__wipe(&v->disk);
        arena_done(&v->arena);
    }
    for (unsigned i = 0; i < s->n_regions; i++) {
        struct sim_region *g = &s->regions[i];
        void *item;
        for (size_t c = 0; map_next(&g->named, &c, &item);)
            mem_free(item);
        map_done(&g->named);
        map_done(&g->requests);
        map_done(&g->values);
        mem_free(g->committed);
    }
    while (s->n_queue)
        event__free(s->queue[--s->n_queue].event);
    mem_free(s->queue);
    master__free(s);
}
