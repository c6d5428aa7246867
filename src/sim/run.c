/*
 * One seed: a world is drawn, and lives so many hours, of storms with quiet sim__between them. In a
 * storm things break; then they are repaired, the cluster must become healthy, falls quiet, and
 * must hold in every copy what it acknowledged.
 */
#include "sim/sim_int.h"

enum { HEALTHY_WITHIN_S = 120, SETTLED_WITHIN_S = 60 };

static void on_restart(struct sim *s, struct event *e)
{
    struct sim_server *v = &s->servers[e->server];
    if (e->region && v->up && s->faults) /* an operator looks after a failed disk */
        server__crash(s, v, false);
    if (!v->up)
        server__start(s, v);
}

static void in_server(struct sim *s, struct event *e)
{
    struct sim_server *v = &s->servers[e->server];
    if (e->kind == EV_TICK)
        server__tick(s, v);
    else if (e->kind == EV_MESSAGE)
        server__message(s, v, e);
    else if (e->kind == EV_SYNCED)
        server__synced(s, v);
    else if (e->kind == EV_ANSWER)
        coord__answer(s, v, e);
    else if (e->kind == EV_WATCH && !coord__away(s, v))
        coord__deliver(s, v, e->region, &e->current);
    else if (e->kind == EV_READ_STORE)
        coord__read(s, v);
    else if (e->kind == EV_SNAPSHOT_DONE)
        snapshot__done(s, v, e);
    else if (e->kind == EV_PEER_DOWN)
        repl_peer_down(v->core, server__clock(s, v), e->from);
    else if (e->kind == EV_ASK)
        master__asks(s, v, e);
    else if (e->kind == EV_HOUSEKEEPING)
        server__housekeeping(s, v);
    else if (e->kind == EV_REQUEST)
        replica__request(s, v, &e->request);
    else if (e->kind == EV_READ_DONE)
        replica__read_done(s, v, e);
    server__work(s, v);
    if (v->dying) {
        server__crash(s, v, sim__likely(s, 600));
        server__restart_later(s, v);
        return;
    }
    server__plan_tick(s, v);
}

static void step(struct sim *s)
{
    struct event *e;
    if (!event__next(s, &e))
        sim__fail(s, "the world has come to an end");
    s->steps++;
    switch (e->kind) {
    case EV_SWAP:
        coord__swap(s, e);
        break;
    case EV_SNAPSHOT_TAKE:
        snapshot__take(s, e);
        break;
    case EV_CLIENT:
        client__timer(s, e);
        break;
    case EV_REPLY:
        client__replied(s, e);
        break;
    case EV_MASTER:
        master__acts(s);
        break;
    case EV_FAULT:
        life__fault(s);
        break;
    case EV_RESTART:
        on_restart(s, e);
        break;
    default:
        in_server(s, e);
    }
    event__free(e);
    check__step(s);
}

static void create_world(struct sim *s)
{
    rng_seed(&s->rng, s->seed);
    life__create(s);
    STORY(s, "---- %u servers, %u regions, %u copies", s->n_servers, s->n_regions, s->copies);
    for (unsigned i = 0; i < s->n_servers; i++) {
        struct sim_server *v = &s->servers[i];
        v->id = i;
        for (unsigned j = 0; j < MAX_REGIONS; j++)
            v->replicas[j] = (struct replica){.sim = s, .server = i, .region = j};
        server__start(s, v);
    }
    for (unsigned i = 0; i < s->n_regions; i++)
        coord__create(s, i);
    event__at(s, 1 * SECOND, event__new(EV_MASTER, 0, 0));
}

static void become_healthy(struct sim *s)
{
    uint64_t limit = s->now + HEALTHY_WITHIN_S * (uint64_t)SECOND;
    unsigned sick;
    while (!check__healthy(s, &sick)) {
        if (s->now > limit)
            sim__fail(s, "r%u not healthy %d s after the last fault: %s", sick, HEALTHY_WITHIN_S,
                      config__text(&s->regions[sick].config));
        step(s);
    }
}

static void settle(struct sim *s)
{
    const char *why = "";
    unsigned sick;
    uint64_t quiet = s->now + 2 * SECOND, limit = s->now + SETTLED_WITHIN_S * (uint64_t)SECOND;
    STORY(s, "---- the clients stop");
    clients__end(s);
    while (s->now < quiet || !clients__done(s) || !check__settled(s, &why) ||
           !check__healthy(s, &sick)) {
        if (s->now > limit)
            sim__fail(s, "%s %d s after the last write", why, SETTLED_WITHIN_S);
        step(s);
    }
}

/* ---- quiet -------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t v)
{
    return (h ^ v) * 0x9E3779B97F4A7C15ull;
}

/* Everything that could make tomorrow differ from today, but for clocks and beacons. */
static uint64_t fingerprint(struct sim *s)
{
    uint64_t h = s->n_servers;
    for (unsigned i = 0; i < s->n_regions; i++) {
        h = mix(h, s->regions[i].config.epoch);
        for (unsigned j = 0; j < s->n_servers; j++) {
            const struct replica *r = &s->servers[j].replicas[i];
            struct repl_status status = {0};
            if (r->core)
                repl_get_status(s->servers[j].core, r->core, &status);
            h = mix(h, status.role + 8u * status.serving + 16u * status.proposing);
            h = mix(h, status.committed_lsn);
            h = mix(h, status.last_lsn - status.durable_lsn);
            h = mix(h, s->servers[j].incarnation);
        }
    }
    return h;
}

/*
 * Nothing is under way any more, and nothing will be: only beacons go back and forth. The core
 * takes time as an argument and looks at differences only, so that a world in which so much time
 * has passed is this one with all its clocks moved on. That time counts as lived, and as skipped.
 * That the world has come to rest is seen, not assumed: its state is the same over some seconds.
 */
static void rest(struct sim *s, uint64_t us)
{
    enum { WATCHED_S = 3, RESTLESS_S = 60 };
    uint64_t limit = s->now + RESTLESS_S * (uint64_t)SECOND, before = fingerprint(s);
    uint64_t since = s->now;
    while (s->now < since + WATCHED_S * (uint64_t)SECOND) {
        step(s);
        uint64_t now = fingerprint(s);
        if (now != before)
            since = s->now;
        before = now;
        if (s->now > limit)
            sim__fail(s, "does not come to rest");
    }
    STORY(s, "---- %.1f minutes without events are skipped", (double)us / SECOND / 60);
    s->skipped += us;
}

/* One storm: things break for a while, are repaired, and everything must be as it was promised. */
static void storm(struct sim *s)
{
    uint64_t end = s->steps + sim__between(s, 500, 6000);
    life__choose(s);
    s->faults = true;
    clients__start(s);
    event__at(s, 1 * SECOND, event__new(EV_FAULT, 0, 0));
    while (s->steps < end)
        step(s);
    life__end_faults(s);
    become_healthy(s);
    settle(s);
    check__end(s);
    s->stats->storms++;
}

void sim__run(uint64_t seed, double hours, enum level level, struct stats *stats)
{
    enum { LONGEST_REST_S = 2 * 3600 };
    struct sim *s = NEW(struct sim);
    disk__world(s);
    uint64_t end = (uint64_t)(hours * 3600 * SECOND);
    s->seed = seed;
    s->hours = hours;
    s->level = level;
    s->stats = stats;
    create_world(s);
    do {
        storm(s);
        uint64_t lived = s->now + s->skipped;
        if (lived < end)
            rest(s, MIN(end - lived, sim__chance(s, LONGEST_REST_S * (uint64_t)SECOND)));
    } while (s->now + s->skipped < end);
    stats->seeds++;
    stats->steps += s->steps;
    stats->simulated_us += s->now;
    stats->skipped_us += s->skipped;
    world__free(s);
    mem_free(s);
}
