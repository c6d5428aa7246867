/* One seed: a world is drawn, lives `steps` events with faults, is repaired, must become healthy,
 * falls quiet, and must then hold in every copy what it acknowledged. */
#include "sim.h"

enum { HEALTHY_WITHIN_S = 120, SETTLED_WITHIN_S = 20 };

static void on_restart(struct sim *s, struct event *e)
{
    struct server *v = &s->servers[e->server];
    if (e->region && v->up && s->faults) /* an operator looks after a failed disk */
        server_crash(s, v, false);
    if (!v->up)
        server_start(s, v);
}

static void on_disk_failed(struct sim *s, struct server *v, struct event *e)
{
    struct replica *r = &v->replicas[e->region];
    if (!r->core || r->failed || !s->faults || !life_may_lose(s, v->id, e->region))
        return;
    TRACE(s, "s%u r%u: the disk fails", v->id, e->region);
    r->failed = true;
    repl_failed(v->core, server_clock(s, v), r->core);
}

static void on_housekeeping(struct sim *s, struct server *v)
{
    server_housekeeping(s, v);
    struct event *e = event_new(EV_HOUSEKEEPING, v->id, 0);
    e->incarnation = v->incarnation;
    at(s, between(s, 50 * MS, 1 * SECOND), e);
}

static void in_server(struct sim *s, struct event *e)
{
    struct server *v = &s->servers[e->server];
    if (e->kind == EV_TICK)
        server_tick(s, v);
    else if (e->kind == EV_MESSAGE)
        server_message(s, v, e);
    else if (e->kind == EV_SYNCED)
        server_synced(s, v);
    else if (e->kind == EV_ANSWER)
        store_answer(s, v, e);
    else if (e->kind == EV_WATCH && !store_away(s, v))
        store_deliver(s, v, e->region, &e->current);
    else if (e->kind == EV_READ_STORE)
        store_read(s, v);
    else if (e->kind == EV_SNAPSHOT_DONE)
        snapshot_done(s, v, e);
    else if (e->kind == EV_DISK_FAILED)
        on_disk_failed(s, v, e);
    else if (e->kind == EV_PEER_DOWN)
        repl_peer_down(v->core, server_clock(s, v), e->from);
    else if (e->kind == EV_ASK)
        master_asks(s, v, e);
    else if (e->kind == EV_HOUSEKEEPING)
        on_housekeeping(s, v);
    server_plan_tick(s, v);
}

static void step(struct sim *s)
{
    struct event *e;
    if (!next_event(s, &e))
        sim_fail(s, "the world has come to an end");
    s->steps++;
    switch (e->kind) {
    case EV_SWAP:
        store_swap(s, e);
        break;
    case EV_SNAPSHOT_TAKE:
        snapshot_take(s, e);
        break;
    case EV_CLIENT:
        client_acts(s);
        break;
    case EV_MASTER:
        master_acts(s);
        break;
    case EV_FAULT:
        fault_acts(s);
        break;
    case EV_RESTART:
        on_restart(s, e);
        break;
    default:
        in_server(s, e);
    }
    event_free(e);
    check_step(s);
}

static void create_world(struct sim *s)
{
    rng_seed(&s->rng, s->seed);
    life_choose(s);
    for (unsigned i = 0; i < s->n_servers; i++) {
        struct server *v = &s->servers[i];
        v->id = i;
        for (unsigned j = 0; j < s->n_regions; j++)
            v->replicas[j] = (struct replica){.sim = s, .server = i, .region = j};
        server_start(s, v);
    }
    for (unsigned i = 0; i < s->n_regions; i++)
        store_create(s, i);
    s->faults = s->clients = true;
    at(s, 1 * SECOND, event_new(EV_CLIENT, 0, 0));
    at(s, 1 * SECOND, event_new(EV_MASTER, 0, 0));
    at(s, 1 * SECOND, event_new(EV_FAULT, 0, 0));
    TRACE(s, "---- %u servers, %u regions, %u copies", s->n_servers, s->n_regions, s->copies);
}

static void become_healthy(struct sim *s)
{
    uint64_t limit = s->now + HEALTHY_WITHIN_S * (uint64_t)SECOND;
    unsigned sick;
    while (!check_healthy(s, &sick)) {
        if (s->now > limit)
            sim_fail(s, "r%u not healthy %d s after the last fault: %s", sick, HEALTHY_WITHIN_S,
                     config_text(&s->regions[sick].config));
        step(s);
    }
}

static void settle(struct sim *s)
{
    const char *why = "";
    unsigned sick;
    uint64_t quiet = s->now + 2 * SECOND, limit = s->now + SETTLED_WITHIN_S * (uint64_t)SECOND;
    TRACE(s, "---- quiet");
    clients_end(s);
    while (s->now < quiet || !check_settled(s, &why) || !check_healthy(s, &sick)) {
        if (s->now > limit)
            sim_fail(s, "%s %d s after the last write", why, SETTLED_WITHIN_S);
        step(s);
    }
}

void sim_run(uint64_t seed, uint64_t steps, bool trace, struct stats *stats)
{
    struct sim *s = NEW(struct sim);
    s->seed = seed;
    s->max_steps = steps;
    s->trace = trace;
    s->stats = stats;
    create_world(s);
    while (s->steps < steps)
        step(s);
    faults_end(s);
    become_healthy(s);
    settle(s);
    check_end(s);
    stats->seeds++;
    stats->steps += s->steps;
    stats->simulated_us += s->now;
    world_free(s);
    mem_free(s);
}
