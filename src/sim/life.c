/*
 * What goes on in a cluster: clients append, a master keeps the copies complete, an operator moves
 * things about, and everything breaks. Which things, and how often, is drawn once a seed (swarm
 * testing: worlds in which only some things break reach places that others don't).
 */
#include "sim/sim_int.h"

/* ---- the seed's world
 * ------------------------------------------------------------------------------ */

static uint64_t one_of(struct sim *s, const uint64_t *values, size_t n)
{
    return values[sim__chance(s, n)];
}
#define ONE_OF(s, ...)                                                                             \
    one_of((s), (const uint64_t[]){__VA_ARGS__}, ARRAY_LEN(((const uint64_t[]){__VA_ARGS__})))

static void choose_repl(struct sim *s)
{
    struct repl_options *o = &s->repl;
    *o = repl_defaults;
    if (sim__likely(s, 400)) { /* everything faster: more happens in a run */
        o->beacon_ms = 100;
        o->lease_ms = 400;
        o->grace_ms = 520;
        o->retry_ms = 250;
    }
    if (sim__likely(s, 400)) {
        o->window_bytes = (uint32_t)ONE_OF(s, 600, 2000, 8000);
        o->batch_bytes = (uint32_t)ONE_OF(s, 60, 300, 1000);
    }
}

/* Segments as small as can be, so that they are recycled all the time. */
static void choose_log(struct sim *s)
{
    s->wal = (struct wal_options){.segment_bytes = ONE_OF(s, 4, 4, 8, 16) * DISK_PAGE,
                                  .spare_segments = (uint32_t)sim__between(s, 1, 2),
                                  .io = &disk__io,
                                  .no_thread = true};
}

/* What stays for a seed's whole life. */
void life__create(struct sim *s)
{
    s->n_servers = (unsigned)sim__between(s, 3, MAX_SERVERS);
    s->n_regions = (unsigned)sim__between(s, 1, MAX_REGIONS);
    s->copies = (unsigned)sim__between(s, 2, 3);
    choose_repl(s);
    choose_log(s);
    s->repair_ms = ONE_OF(s, 500, 1500, 5000);
    s->drift_ppm = ONE_OF(s, 0, 1000, 37000);
    for (unsigned i = 0; i < s->n_servers; i++)
        s->servers[i].rate_ppm = 1000000 - s->drift_ppm + sim__chance(s, 2 * s->drift_ppm + 1);
}

/* What kind of storm it is. */
void life__choose(struct sim *s)
{
    struct knobs *k = &s->knobs;
    k->loss = (unsigned)ONE_OF(s, 0, 0, 5, 50, 150);
    k->duplicates = (unsigned)ONE_OF(s, 0, 10, 100);
    k->slow = (unsigned)ONE_OF(s, 0, 10, 100);
    k->reorder = (unsigned)ONE_OF(s, 0, 20, 1000);
    k->net_us = (unsigned)ONE_OF(s, 500, 2 * MS, 20 * MS);
    k->sync_us = ONE_OF(s, 200, 5 * MS, 30 * MS);
    k->slow_sync = (unsigned)ONE_OF(s, 0, 2, 20);
    k->swap_trouble = (unsigned)ONE_OF(s, 0, 50, 250);
    k->clients = (unsigned)ONE_OF(s, 1, 3, MAX_CLIENTS);
    k->think_us = ONE_OF(s, 1 * MS, 20 * MS, 100 * MS, 400 * MS);
    k->patience_us = ONE_OF(s, 100 * MS, 1 * SECOND, 5 * SECOND);
    k->fault_us = ONE_OF(s, 150 * MS, 500 * MS, 2 * SECOND);
    k->burst = (unsigned)ONE_OF(s, 1, 3, 10);
    k->forgets = sim__likely(s, 400);
    for (int i = 0; i < N_FAULTS; i++)
        k->on[i] = sim__likely(s, 550);
}

/* ---- the operator ---------------------------------------------------------------------------- */

/* A random server that lives and holds nothing of the region; n_servers: none. */
static unsigned pick_other(struct sim *s, const struct repl_config *c)
{
    unsigned start = (unsigned)sim__chance(s, s->n_servers);
    for (unsigned i = 0; i < s->n_servers; i++) {
        unsigned n = (start + i) % s->n_servers;
        if (!config__holds(c, n) && !config__learner(c, n) && s->servers[n].up)
            return n;
    }
    return s->n_servers;
}

/* Moves, transfers, and now and then something that makes no sense. */
static void operator_acts(struct sim *s)
{
    unsigned region = (unsigned)sim__chance(s, s->n_regions), n;
    struct repl_config c = s->regions[region].config;
    uint64_t what = sim__chance(s, 10);
    if (what < 4 && c.n_backups)
        master__ask(s, region, c.primary, REPL_TRANSFER, c.backups[sim__chance(s, c.n_backups)]);
    else if (what < 8 && (n = pick_other(s, &c)) < s->n_servers)
        master__ask(s, region, c.primary, REPL_ADD_LEARNER, n);
    else
        master__ask(s, region, c.primary, (enum repl_change)sim__chance(s, 3),
                    (unsigned)sim__chance(s, s->n_servers));
}

/* ---- what breaks
 * ----------------------------------------------------------------------------------- */

static void crash(struct sim *s, struct sim_server *v, bool power)
{
    if (!v->up)
        return;
    server__crash(s, v, power);
    server__restart_later(s, v);
}

static void block(struct sim *s, unsigned from, unsigned to, uint64_t us)
{
    STORY(s, "nothing gets from s%u to s%u for %llu ms", from, to, (unsigned long long)us / 1000);
    s->blocked_until[from][to] = MAX(s->blocked_until[from][to], s->now + us);
}

static void isolate(struct sim *s, unsigned server, uint64_t us)
{
    for (unsigned i = 0; i < s->n_servers; i++) {
        if (i == server)
            continue;
        block(s, server, i, us);
        block(s, i, server, us);
    }
}

/* Harm to the whole disk: only while each of its copies may be lost. */
static bool may_lose_all(struct sim *s, const struct sim_server *v)
{
    for (unsigned i = 0; i < s->n_regions; i++)
        if (v->copies[i].exists && !check__may_lose(s, v->id, i))
            return false;
    return true;
}

static void mark_lost(struct sim *s, struct sim_server *v)
{
    s->stats->damages++;
    for (unsigned i = 0; i < s->n_regions; i++) {
        v->lost[i] |= v->copies[i].exists || config__holds(&s->regions[i].config, v->id);
        s->regions[i].dirty = true;
    }
}

/* A bit turns in the log, and the process ends at once: for as long as nobody has noticed, a copy
 * counts as one, and another may be let go for its sake. That is beyond what f + 1 copies promise.
 */
static void rot(struct sim *s, struct sim_server *v)
{
    if (!may_lose_all(s, v) || !disk__rot(s, v))
        return;
    mark_lost(s, v);
    crash(s, v, true);
}

/* A file goes bad; noticed by a read of it, or at the next start. */
static void damage(struct sim *s, struct sim_server *v)
{
    unsigned region = (unsigned)sim__chance(s, s->n_regions);
    struct copy *c = &v->copies[region];
    if (!c->exists || !check__may_lose(s, v->id, region))
        return;
    STORY(s, "s%u r%u: the file is damaged", v->id, region);
    s->stats->damages++;
    s->regions[region].dirty = true;
    c->rotten = true;
    if (v->up && v->replicas[region].core && sim__likely(s, 500)) {
        replica__fail(s, &v->replicas[region], "its file is damaged");
        event__at(s, sim__chance(s, 5 * SECOND), event__new(EV_RESTART, v->id, 1));
    } else {
        crash(s, v, true);
    }
}

static void wipe(struct sim *s, struct sim_server *v)
{
    if (!may_lose_all(s, v))
        return;
    crash(s, v, true);
    STORY(s, "s%u: its data is gone", v->id);
    mark_lost(s, v);
    disk__wipe(&v->disk);
    for (unsigned i = 0; i < s->n_regions; i++)
        copy__wipe(&v->copies[i]);
}

/* Whether writes fail, or reads, or there is no room: the copies there stop. An operator looks
 * after it some time. */
static void disk_refuses(struct sim *s, enum fault what, struct sim_server *v)
{
    if (!may_lose_all(s, v))
        return;
    struct disk *d = &v->disk;
    uint64_t *until = what == FAULT_BAD_DISK    ? &d->bad_until
                      : what == FAULT_FULL_DISK ? &d->full_until
                                                : &d->unreadable_until;
    STORY(s, "s%u: the disk %s", v->id,
          what == FAULT_BAD_DISK    ? "takes no writes"
          : what == FAULT_FULL_DISK ? "is full"
                                    : "can't be read");
    *until = s->now + sim__between(s, 10 * MS, 4 * SECOND);
    event__at(s, sim__between(s, 1 * SECOND, 6 * SECOND), event__new(EV_RESTART, v->id, 1));
}

/* It jumps ahead, or drifts in another way. (A monotonic clock never goes back.) */
static void clock_goes_wrong(struct sim *s, struct sim_server *v)
{
    v->offset_ms = (int64_t)server__clock(s, v);
    v->clock_at = s->now;
    v->rate_ppm = 1000000 - s->drift_ppm + sim__chance(s, 2 * s->drift_ppm + 1);
    if (sim__likely(s, 300))
        v->offset_ms += (int64_t)sim__between(s, 1, 5000);
    STORY(s, "s%u: its clock %s", v->id, "goes another way");
}

/* The last whole copy that is left beside harmed ones: whatever happens to it now is beyond what
 * the copies promise. */
static bool holds_last_copy(struct sim *s, unsigned server)
{
    for (unsigned i = 0; i < s->n_regions; i++)
        if (config__holds(&s->regions[i].config, server) && check__is_last(s, server, i))
            return true;
    return false;
}

static void hit_one(struct sim *s, enum fault what, struct sim_server *v)
{
    unsigned other = (unsigned)sim__chance(s, s->n_servers);
    if (holds_last_copy(s, v->id) || (what == FAULT_ONE_WAY && holds_last_copy(s, other)))
        return;
    switch (what) {
    case FAULT_CRASH:
        crash(s, v, sim__likely(s, 500));
        break;
    case FAULT_PAUSE:
        v->paused_until =
            s->now + sim__between(s, 50 * MS, sim__likely(s, 700) ? 2 * SECOND : 5 * SECOND);
        s->stats->pauses++;
        STORY(s, "s%u is server__paused for %llu ms", v->id,
              (unsigned long long)(v->paused_until - s->now) / 1000);
        break;
    case FAULT_ONE_WAY:
        if (other != v->id)
            block(s, v->id, other, sim__between(s, 100 * MS, 4 * SECOND));
        break;
    case FAULT_ISOLATE:
        isolate(s, v->id, sim__between(s, 100 * MS, 4 * SECOND));
        break;
    case FAULT_STORE_AWAY:
        STORY(s, "s%u does not reach the store", v->id);
        coord__away_for(s, v, sim__between(s, 100 * MS, 5 * SECOND));
        break;
    case FAULT_SLOW_DISK:
        v->slow_disk_until = s->now + sim__between(s, 100 * MS, 3 * SECOND);
        break;
    case FAULT_DISK_OP:
        v->disk.dies_in = sim__between(s, 1, 40);
        break;
    case FAULT_CLOCK:
        clock_goes_wrong(s, v);
        break;
    case FAULT_BAD_DISK:
    case FAULT_FULL_DISK:
    case FAULT_BAD_READS:
        disk_refuses(s, what, v);
        break;
    case FAULT_ROT: /* rare, as nobody notices it before the next start: see "Known, and open" in
                       simulation.md */
        if (sim__likely(s, 50))
            rot(s, v);
        break;
    case FAULT_WIPE:
        wipe(s, v);
        break;
    default:
        damage(s, v);
    }
}

static void hit(struct sim *s, enum fault what)
{
    if (what == FAULT_OPERATOR) {
        operator_acts(s);
    } else if (what == FAULT_SLOW_NET) {
        s->slow_net_until = s->now + sim__between(s, 200 * MS, 3 * SECOND);
    } else if (what == FAULT_POWER) {
        for (unsigned i = 0; i < s->n_servers; i++)
            if (holds_last_copy(s, i))
                return;
        if (sim__likely(s, 300))
            for (unsigned i = 0; i < s->n_servers; i++)
                crash(s, &s->servers[i], true);
    } else if (what == FAULT_STORE_DOWN) {
        uint64_t us = sim__between(s, 100 * MS, 4 * SECOND);
        STORY(s, "the store is down");
        for (unsigned i = 0; i < s->n_servers; i++)
            coord__away_for(s, &s->servers[i], us);
    } else {
        struct sim_region *g = &s->regions[sim__chance(s, s->n_regions)];
        unsigned victim =
            sim__likely(s, 400) ? g->config.primary : (unsigned)sim__chance(s, s->n_servers);
        hit_one(s, what, &s->servers[victim]);
    }
}

void life__fault(struct sim *s)
{
    if (!s->faults)
        return;
    event__at(s, sim__between(s, s->knobs.fault_us / 4, s->knobs.fault_us * 7 / 4),
              event__new(EV_FAULT, 0, 0));
    enum fault what = (enum fault)sim__chance(s, N_FAULTS);
    if (s->knobs.on[what])
        hit(s, what);
}

static bool needs_restart(struct sim *s, const struct sim_server *v)
{
    bool needs = v->log_failed || v->disk.refused;
    for (unsigned j = 0; j < s->n_regions; j++)
        needs |= v->replicas[j].failed || v->copies[j].rotten || v->lost[j];
    return needs;
}

/* Everything is repaired; what is under way (late messages, late swaps) still happens. */
void life__end_faults(struct sim *s)
{
    s->faults = false;
    s->slow_net_until = 0;
    memset(s->blocked_until, 0, sizeof(s->blocked_until));
    STORY(s, "---- nothing breaks from here on");
    for (unsigned i = 0; i < s->n_servers; i++) {
        struct sim_server *v = &s->servers[i];
        v->slow_disk_until = v->disk.bad_until = v->disk.full_until = 0;
        v->disk.unreadable_until = v->disk.dies_in = 0;
        v->store_away_until = MIN(v->store_away_until, s->now);
        if (server__paused(s, v))
            v->paused_until = s->now;
        if (v->up && needs_restart(s, v))
            server__crash(s, v, false);
        if (!v->up)
            server__start(s, v);
        else
            coord__away_for(s, v, 0); /* reads all again */
    }
}
