/*
 * What goes on in a cluster: clients append, a master keeps the copies complete, an operator moves
 * things about, and everything breaks. Which things, and how often, is drawn once a seed (swarm
 * testing: worlds in which only some things break reach places that others don't).
 */
#include "sim/sim_int.h"

enum { MAX_WAITING = 50 }; /* writes of one primary; clients wait for their answers */

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
        o->grace_ms = 480;
        o->retry_ms = 250;
    }
    if (sim__likely(s, 400)) {
        o->window_bytes = (uint32_t)ONE_OF(s, 600, 2000, 8000);
        o->batch_bytes = (uint32_t)ONE_OF(s, 60, 300, 1000);
    }
}

/* What stays for a seed's whole life. */
void life__create(struct sim *s)
{
    s->n_servers = (unsigned)sim__between(s, 3, MAX_SERVERS);
    s->n_regions = (unsigned)sim__between(s, 1, MAX_REGIONS);
    s->copies = (unsigned)sim__between(s, 2, 3);
    choose_repl(s);
    uint64_t drift = ONE_OF(s, 0, 1000, 37000);
    for (unsigned i = 0; i < s->n_servers; i++)
        s->servers[i].rate_ppm = 1000000 - drift + sim__chance(s, 2 * drift + 1);
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
    k->client_us = ONE_OF(s, 3 * MS, 20 * MS, 100 * MS, 400 * MS);
    k->fault_us = ONE_OF(s, 150 * MS, 500 * MS, 2 * SECOND);
    k->burst = (unsigned)ONE_OF(s, 1, 3, 10);
    k->forgets = sim__likely(s, 400);
    for (int i = 0; i < N_FAULTS; i++)
        k->on[i] = sim__likely(s, 550);
}

/* ---- clients
 * --------------------------------------------------------------------------------------- */

static void remember_write(struct replica *r, uint64_t lsn, uint64_t value)
{
    if (r->n_writes == r->cap_writes) {
        r->cap_writes = r->cap_writes ? r->cap_writes * 2 : 16;
        r->writes = mem_realloc(r->writes, r->cap_writes * sizeof(*r->writes));
    }
    r->writes[r->n_writes++] = (struct write){lsn, value};
}

/* A few unique values, at a server that takes itself for the primary. */
static void append_some(struct sim *s, struct server *v, struct replica *r)
{
    char data[16][MAX_DATA] = {{0}};
    struct repl_entry entries[16];
    size_t n = (size_t)sim__between(s, 1, s->knobs.burst);
    uint64_t first_value = s->next_value + 1, first = 0;
    for (size_t i = 0; i < n; i++) {
        s->next_value++;
        memcpy(data[i], &s->next_value, sizeof(s->next_value));
        entries[i] = (struct repl_entry){
            .data = data[i], .len = (uint32_t)sim__between(s, sizeof(uint64_t), MAX_DATA)};
    }
    struct error *e = repl_append(v->core, server__clock(s, v), r->core, entries, n, &first);
    if (e) {
        error_free(e);
        return;
    }
    s->stats->appends += n;
    for (size_t i = 0; i < n; i++)
        remember_write(r, first + i, first_value + i);
}

void life__client(struct sim *s)
{
    uint64_t pause = s->knobs.client_us;
    if (!s->faults)
        pause = MAX(pause, 300 * MS); /* learners with tiny windows catch up, too */
    if (s->clients)
        event__at(s, sim__between(s, pause / 2, pause * 3 / 2), event__new(EV_CLIENT, 0, 0));
    unsigned region = (unsigned)sim__chance(s, s->n_regions),
             start = (unsigned)sim__chance(s, s->n_servers);
    for (unsigned i = 0; i < s->n_servers; i++) {
        struct server *v = &s->servers[(start + i) % s->n_servers];
        struct replica *r = &v->replicas[region];
        if (!v->up || server__paused(s, v) || !r->core || !(r->serving || sim__likely(s, 10)) ||
            r->n_writes > MAX_WAITING)
            continue;
        append_some(s, v, r);
        server__plan_tick(s, v);
        if (sim__likely(s, 800))
            return;
    }
}

/* One write in each region, for copies to end equal. */
void life__end_clients(struct sim *s)
{
    s->clients = false;
    for (unsigned i = 0; i < s->n_regions; i++) {
        struct server *v = &s->servers[s->regions[i].config.primary];
        append_some(s, v, &v->replicas[i]);
        server__plan_tick(s, v);
    }
}

/* ---- the master
 * ------------------------------------------------------------------------------------ */

static void ask(struct sim *s, unsigned region, enum repl_change what, unsigned node)
{
    struct event *e = event__new(EV_ASK, s->regions[region].config.primary, region);
    e->change = what;
    e->from = node;
    event__at(s, sim__between(s, 1 * MS, 20 * MS), e);
}

void life__master_asks(struct sim *s, struct server *v, struct event *e)
{
    struct replica *r = &v->replicas[e->region];
    if (!r->core)
        return;
    static const char *const names[] = {"add", "remove", "transfer to"};
    struct error *error = repl_change(v->core, server__clock(s, v), r->core, e->change, e->from);
    STORY(s, "s%u r%u is asked to %s s%u: %s", v->id, e->region, names[e->change], e->from,
          error ? error->message : "ok");
    error_free(error);
}

static bool seems_alive(struct sim *s, unsigned server)
{
    if (s->faults && sim__likely(s, 50))
        return sim__likely(s, 500);
    return s->servers[server].up && !server__paused(s, &s->servers[server]);
}

/* A random server for which (in config?, alive?) holds as wanted; n_servers: none. */
static unsigned pick(struct sim *s, const struct repl_config *c, bool in, bool alive)
{
    unsigned start = (unsigned)sim__chance(s, s->n_servers);
    for (unsigned i = 0; i < s->n_servers; i++) {
        unsigned n = (start + i) % s->n_servers;
        if (n != c->primary && (config__holds(c, n) || config__learner(c, n)) == in &&
            seems_alive(s, n) == alive)
            return n;
    }
    return s->n_servers;
}

static void keep_copies(struct sim *s, unsigned region)
{
    struct repl_config c = s->regions[region].config;
    unsigned have = 1 + c.n_backups, n;
    for (uint32_t i = 0; i < c.n_learners; i++)
        if (!seems_alive(s, c.learners[i])) {
            ask(s, region, REPL_REMOVE, c.learners[i]);
            return;
        }
    if (have + c.n_learners < s->copies) {
        if ((n = pick(s, &c, false, true)) < s->n_servers)
            ask(s, region, REPL_ADD_LEARNER, n);
    } else if (have > s->copies) {
        n = pick(s, &c, true, false);
        if (n == s->n_servers)
            n = pick(s, &c, true, true);
        if (n < s->n_servers)
            ask(s, region, REPL_REMOVE, n);
    } else if (c.n_learners && have == s->copies && !s->faults) {
        ask(s, region, REPL_REMOVE, c.learners[0]);
    }
}

void life__master(struct sim *s)
{
    event__at(s, sim__between(s, 200 * MS, 600 * MS), event__new(EV_MASTER, 0, 0));
    for (unsigned i = 0; i < s->n_regions; i++)
        keep_copies(s, i);
}

/* Moves, transfers, and now and then something that makes no sense. */
static void operator_acts(struct sim *s)
{
    unsigned region = (unsigned)sim__chance(s, s->n_regions), n;
    struct repl_config c = s->regions[region].config;
    uint64_t what = sim__chance(s, 10);
    if (what < 4 && c.n_backups)
        ask(s, region, REPL_TRANSFER, c.backups[sim__chance(s, c.n_backups)]);
    else if (what < 8 && (n = pick(s, &c, false, true)) < s->n_servers)
        ask(s, region, REPL_ADD_LEARNER, n);
    else
        ask(s, region, (enum repl_change)sim__chance(s, 3), (unsigned)sim__chance(s, s->n_servers));
}

/* ---- what breaks
 * ----------------------------------------------------------------------------------- */

static void restart_later(struct sim *s, unsigned server)
{
    uint64_t delay = sim__likely(s, 300)   ? sim__between(s, 1 * MS, 100 * MS)
                     : sim__likely(s, 800) ? sim__between(s, 100 * MS, 3 * SECOND)
                                           : sim__between(s, 3 * SECOND, 10 * SECOND);
    event__at(s, delay, event__new(EV_RESTART, server, 0));
}

static void crash(struct sim *s, struct server *v, bool power)
{
    if (!v->up)
        return;
    server__crash(s, v, power);
    restart_later(s, v->id);
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

/* A copy may fail here only while a member with all data remains: then, and by every swap that is
 * on its way. (A lost copy together with a config that names it alone is beyond what f+1 copies
 * promise.) */
bool life__may_lose(struct sim *s, unsigned server, unsigned region)
{
    const struct region *g = &s->regions[region];
    if (!s->servers[server].disks[region].exists)
        return false;
    if (!config__holds(&g->config, server))
        return true;
    if (g->swaps_in_flight || check__proposing(s, region))
        return false;
    for (unsigned i = 0; i < s->n_servers; i++)
        if (i != server && config__holds(&g->config, i) && s->servers[i].disks[region].exists &&
            !s->servers[i].disks[region].damaged && !s->servers[i].replicas[region].failed)
            return true;
    return false;
}

static void damage(struct sim *s, struct server *v)
{
    if (!v->up)
        return;
    server__crash(s, v, true);
    for (unsigned i = 0; i < s->n_regions; i++)
        if (sim__likely(s, 600) && life__may_lose(s, v->id, i))
            disk__damage(s, v, i);
    restart_later(s, v->id);
}

static void disk_fails(struct sim *s, struct server *v)
{
    if (!v->up)
        return;
    s->stats->disk_failures++;
    for (unsigned i = 0; i < s->n_regions; i++) {
        if (sim__likely(s, 300))
            continue;
        struct event *e = event__new(EV_DISK_FAILED, v->id, i);
        e->incarnation = v->incarnation;
        event__at(s, sim__chance(s, 5 * MS), e);
    }
    event__at(s, sim__between(s, 1 * SECOND, 5 * SECOND), event__new(EV_RESTART, v->id, 1));
}

static void hit_one(struct sim *s, enum fault what, struct server *v)
{
    unsigned other = (unsigned)sim__chance(s, s->n_servers);
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
    case FAULT_DISK_FAILS:
        disk_fails(s, v);
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
        if (sim__likely(s, 300))
            for (unsigned i = 0; i < s->n_servers; i++)
                crash(s, &s->servers[i], true);
    } else if (what == FAULT_STORE_DOWN) {
        uint64_t us = sim__between(s, 100 * MS, 4 * SECOND);
        STORY(s, "the store is down");
        for (unsigned i = 0; i < s->n_servers; i++)
            coord__away_for(s, &s->servers[i], us);
    } else {
        struct region *g = &s->regions[sim__chance(s, s->n_regions)];
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

/* Everything is repaired; what is under way (late messages, late swaps) still happens. */
void life__end_faults(struct sim *s)
{
    s->faults = false;
    s->slow_net_until = 0;
    memset(s->blocked_until, 0, sizeof(s->blocked_until));
    STORY(s, "---- nothing breaks from here on");
    for (unsigned i = 0; i < s->n_servers; i++) {
        struct server *v = &s->servers[i];
        v->slow_disk_until = 0;
        v->store_away_until = MIN(v->store_away_until, s->now);
        if (server__paused(s, v))
            v->paused_until = s->now;
        bool failed = false;
        for (unsigned j = 0; j < s->n_regions; j++)
            failed |= v->replicas[j].failed;
        if (failed)
            server__crash(s, v, false);
        if (!v->up)
            server__start(s, v);
        else
            coord__away_for(s, v, 0); /* reads all again */
    }
}
