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
           kind == EV_DISK_FAILED || kind == EV_PEER_DOWN || kind == EV_ASK ||
           kind == EV_HOUSEKEEPING;
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
        struct server *v = &s->servers[e->server];
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

uint64_t server__clock(const struct sim *s, const struct server *v)
{
    return (uint64_t)(v->offset_ms + (int64_t)(s->now / 1000 * v->rate_ppm / 1000000));
}

bool server__paused(const struct sim *s, const struct server *v)
{
    return s->now < v->paused_until;
}

static uint64_t net_delay(struct sim *s)
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
    uint64_t arrives = s->now + net_delay(s), *last = &s->last_arrival[from][to];
    if (!s->faults || !sim__likely(s, s->knobs.reorder))
        arrives = MAX(arrives, *last); /* as over one connection */
    *last = MAX(*last, arrives);
    event__at(s, arrives - s->now, e);
}

static void send_message(void *ctx, repl_node to, bool urgent, const void *data, size_t len)
{
    struct server *v = ctx;
    struct sim *s = v->replicas[0].sim;
    (void)urgent;
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

void server__message(struct sim *s, struct server *v, struct event *e)
{
    if (s->now < s->blocked_until[e->from][v->id])
        return;
    sim__trace_message(s, e->from, v->id, "", e->bytes, e->len);
    repl_receive(v->core, server__clock(s, v), e->from, e->bytes, e->len);
}

/* One tick is planned at a time; an earlier need replaces a later plan. */
void server__plan_tick(struct sim *s, struct server *v)
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

void server__tick(struct sim *s, struct server *v)
{
    if (v->tick_at <= s->now)
        v->tick_at = 0;
    repl_tick(v->core, server__clock(s, v));
}

static void role_changed(void *ctx, enum repl_role role, bool serving, uint64_t epoch)
{
    static const char *const names[] = {"none", "learner", "backup", "primary"};
    struct replica *r = ctx;
    STORY(r->sim, "s%u r%u is %s%s, epoch %llu", r->server, r->region, names[role],
          serving ? ", serving" : "", (unsigned long long)epoch);
    if (serving && !r->serving)
        r->sim->stats->serving++;
    if (!serving)
        r->n_writes = 0; /* their outcome is unknown now; nobody will be told */
    r->role = role;
    r->serving = serving;
}

struct replica *replica__open(struct sim *s, struct server *v, unsigned region)
{
    struct replica *r = &v->replicas[region];
    struct disk *d = &v->disks[region];
    d->exists = true;
    disk__recover(s, r);
    r->role = REPL_NONE;
    r->serving = r->failed = r->fetching = false;
    r->n_writes = r->n_ops = r->syncing = 0;
    uint64_t last = items__last(&r->log);
    struct item *top = items__get(&r->log, last);
    TRACE(s, "s%u r%u opens: applied %llu, last %llu%s", v->id, region,
          (unsigned long long)d->file.lsn, (unsigned long long)last, d->damaged ? ", damaged" : "");
    r->core = repl_open(v->core, server__clock(s, v), region, r, last,
                        top ? top->epoch : d->file.epoch, d->file.lsn, d->file.epoch, d->damaged);
    return r;
}

static void replica_forget(struct replica *r)
{
    items__free(&r->log);
    mem_free(r->ops);
    mem_free(r->writes);
    *r = (struct replica){.sim = r->sim, .server = r->server, .region = r->region};
}

void replica__close(struct sim *s, struct replica *r)
{
    repl_close(s->servers[r->server].core, r->core);
    replica_forget(r);
}

void server__start(struct sim *s, struct server *v)
{
    struct repl_io io = disk__io;
    io.ctx = v;
    io.send = send_message;
    io.propose = coord__propose;
    io.role = role_changed;
    io.fetch_snapshot = disk__fetch_snapshot;
    v->up = true;
    v->incarnation = ++s->next_incarnation;
    v->offset_ms = (int64_t)sim__between(s, 1, 1000000);
    v->sync_running = false;
    v->tick_at = 0;
    v->paused_until = 0;
    memset(v->known, 0, sizeof(v->known));
    STORY(s, "s%u starts", v->id);
    v->core = repl_new(&s->repl, &io, v->id, v->incarnation, server__clock(s, v));
    for (unsigned i = 0; i < s->n_regions; i++)
        if (v->disks[i].exists)
            replica__open(s, v, i);
    struct event *e = event__new(EV_READ_STORE, v->id, 0);
    e->incarnation = v->incarnation;
    event__at(s, sim__between(s, 1 * MS, 50 * MS), e);
    e = event__new(EV_HOUSEKEEPING, v->id, 0);
    e->incarnation = v->incarnation;
    event__at(s, sim__between(s, 10 * MS, 500 * MS), e);
    server__plan_tick(s, v);
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

/* The process is gone at once; with `power`, so is all that was not synced. */
void server__crash(struct sim *s, struct server *v, bool power)
{
    STORY(s, "s%u crashes%s", v->id, power ? ", power cut" : "");
    s->stats->crashes++;
    v->up = false;
    tell_that_down(s, v->id);
    for (unsigned i = 0; i < s->n_regions; i++) {
        if (v->replicas[i].core) {
            disk__crash(s, v, i, power);
            replica_forget(&v->replicas[i]);
        }
        s->regions[i].dirty = true;
    }
    repl_free(v->core);
    v->core = NULL;
}

void world__free(struct sim *s)
{
    for (unsigned i = 0; i < s->n_servers; i++) {
        struct server *v = &s->servers[i];
        for (unsigned j = 0; j < s->n_regions; j++) {
            replica_forget(&v->replicas[j]);
            disk__wipe(&v->disks[j]);
        }
        repl_free(v->core);
    }
    for (unsigned i = 0; i < s->n_regions; i++) {
        struct region *g = &s->regions[i];
        void *item;
        for (size_t c = 0; map_next(&g->named, &c, &item);)
            mem_free(item);
        map_done(&g->named);
        mem_free(g->committed);
    }
    while (s->n_queue)
        event__free(s->queue[--s->n_queue].event);
    mem_free(s->queue);
}
