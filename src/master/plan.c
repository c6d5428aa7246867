/*
 * What the master decides, as a pure function of what it sees, and since when it has been so.
 *
 *   a region...                            what is asked of its primary
 *   has a learner on a dead server         remove it, after repair_ms
 *   has fewer copies than it wants         add a learner: at once on a live server that held it
 * lately, else after repair_ms on the least loaded other one has more copies than it wants remove
 * the most loaded holder's, transferring the primary away first and, once all has been well for
 * settle_ms: lies on a server with too many tables  add a learner on one with few (the surplus then
 * goes as above) has its primary where there are many   transfer it to a holder with fewer
 *
 * A server that is drained gives away its primaries first, then its copies, each when a new one is
 * complete elsewhere; where there is no other server for a copy, it stays. Neither a drained server
 * nor one that is about to stop gets anything.
 *
 * Why it comes to rest: a move takes w tables from a server with H to one with L only if w < H - L,
 * so that the sum of the squares of all loads falls with every move; the same for primaries. Loads
 * look ahead (load.c), so that a move that was begun is not begun a second time, and nothing is
 * decided twice in different ways.
 *
 * What is never asked: a learner where the region has a member; a removal that would leave fewer
 * copies than wanted; anything of a region whose primary is dead (its backup takes over by itself).
 */
#include "master/master_int.h"

const struct master_limits master_limits_default = {.repair_ms = 5000,
                                                    .settle_ms = 5000,
                                                    .learners_per_server = 4,
                                                    .returning_per_server = 256,
                                                    .moves = 4};

void master_memory_done(struct master_memory *m)
{
    map_done(&m->lost_since);
}

struct plan {
    const struct master_limits *limits;
    struct picture *p;
    uint64_t now;
    struct map *lost_before, lost; /* region -> first seen, as a pointer */
    bool healthy;
    int moving; /* regions with more members than wanted */
    struct master_action *actions;
    size_t n, max;
};

static void ask(struct plan *plan, const struct standing *s, enum repl_change what,
                const char *target, const char *why)
{
    if (plan->n < plan->max)
        plan->actions[plan->n++] =
            (struct master_action){s->r->id, what, s->r->primary, target, why};
}

/* Since when this region is not as it should be; remembers that it is so now. */
static uint64_t lost_for(struct plan *plan, uint64_t region)
{
    plan->healthy = false;
    uintptr_t since = (uintptr_t)map_get_u64(plan->lost_before, region);
    if (!since)
        since = (uintptr_t)MAX(plan->now, 1u);
    map_put_u64(&plan->lost, region, (void *)since);
    return plan->now - (uint64_t)since;
}

/* ---- repair ------------------------------------------------------------------------------- */

static bool can_feed(const struct plan *plan, const struct standing *s, const struct load *to,
                     int limit)
{
    return to->arriving < limit && s->primary->feeding < limit;
}

static void add_learner(struct plan *plan, struct standing *s, struct load *to, const char *why)
{
    ask(plan, s, REPL_ADD_LEARNER, to->server->name, why);
    to->arriving++;
    to->tables += s->tables;
    s->primary->feeding++;
    s->members++;
}

static struct load *live_former(const struct plan *plan, const struct region *r)
{
    for (int i = 0; i < r->n_former; i++) {
        struct load *l = master__load(plan->p, r->former[i]);
        if (l && !l->avoided && !master__is_member(r, r->former[i]))
            return l;
    }
    return NULL;
}

static struct load *least_loaded_other(const struct plan *plan, const struct region *r)
{
    struct load *best = NULL;
    for (size_t i = 0; i < plan->p->n_loads; i++) {
        struct load *l = &plan->p->loads[i];
        if (!l->avoided && !master__is_member(r, l->server->name) &&
            (!best || master__less_loaded(l, best)))
            best = l;
    }
    return best;
}

/* Fewer copies than wanted, none in the making. */
static void repair(struct plan *plan, struct standing *s)
{
    struct load *former = live_former(plan, s->r);
    struct load *to = former ? former : least_loaded_other(plan, s->r);
    if (!to)
        return; /* every server has one: as whole as can be */
    uint64_t waited = lost_for(plan, s->r->id);
    int limit = former ? plan->limits->returning_per_server : plan->limits->learners_per_server;
    if ((former || waited >= plan->limits->repair_ms) && can_feed(plan, s, to, limit))
        add_learner(plan, s, to, former ? "it held a copy lately" : "a copy was lost");
}

static const char *dead_learner(const struct plan *plan, const struct region *r)
{
    for (int i = 0; i < r->n_learners; i++)
        if (!master__load(plan->p, r->learners[i]))
            return r->learners[i];
    return NULL;
}

/* The holder with the fewest primaries besides the present one; NULL: none is alive and to get any.
 */
static struct load *next_primary(const struct plan *plan, const struct region *r)
{
    struct load *best = NULL;
    for (int i = 0; i < r->n_backups; i++) {
        struct load *l = master__load(plan->p, r->backups[i]);
        if (l && !l->avoided && (!best || l->primaries < best->primaries))
            best = l;
    }
    return best;
}

static void transfer(struct plan *plan, struct standing *s, struct load *to, const char *why)
{
    ask(plan, s, REPL_TRANSFER, to->server->name, why);
    s->primary->primaries--;
    to->primaries++;
}

/* More copies than wanted, all of them whole. */
static void trim(struct plan *plan, struct standing *s)
{
    const char *victim = s->victims[0];
    if (strcmp(victim, s->r->primary) != 0) {
        ask(plan, s, REPL_REMOVE, victim, "a surplus copy");
        return;
    }
    struct load *to = next_primary(plan, s->r);
    if (to)
        transfer(plan, s, to, "its copy there is surplus");
}

static bool on_drained(const struct plan *plan, const struct region *r)
{
    for (size_t i = 0; i < plan->p->n_loads; i++) {
        const struct load *l = &plan->p->loads[i];
        if (l->drained && master__is_member(r, l->server->name))
            return true;
    }
    return false;
}

/* A whole region with a copy on a drained server: one more elsewhere, and that one is surplus. */
static void evacuate(struct plan *plan, struct standing *s)
{
    struct load *to = on_drained(plan, s->r) ? least_loaded_other(plan, s->r) : NULL;
    if (to && can_feed(plan, s, to, plan->limits->learners_per_server))
        add_learner(plan, s, to, "its server is drained");
}

static void tend(struct plan *plan, struct standing *s)
{
    const struct region *r = s->r;
    plan->moving += s->members > r->copies;
    if (!s->primary) {
        lost_for(plan, r->id);
        return;
    }
    struct load *heir = s->primary->drained ? next_primary(plan, r) : NULL;
    if (heir) {
        transfer(plan, s, heir, "its server is drained");
        return;
    }
    const char *dead = dead_learner(plan, r);
    if (dead) {
        if (lost_for(plan, r->id) >= plan->limits->repair_ms)
            ask(plan, s, REPL_REMOVE, dead, "the server that it was made on is gone");
    } else if (r->n_learners > 0) {
        if (s->voters < r->copies)
            lost_for(plan, r->id);
    } else if (s->voters < r->copies) {
        repair(plan, s);
    } else if (s->voters > r->copies) {
        trim(plan, s);
    } else {
        evacuate(plan, s);
    }
}

/* ---- balance ------------------------------------------------------------------------------ */

/* Has all the copies that it wants, or that there are servers for, and nothing is under way. */
static bool at_rest(const struct plan *plan, const struct standing *s)
{
    int usable = 0;
    for (size_t i = 0; i < plan->p->n_loads; i++)
        usable += !plan->p->loads[i].drained;
    return s->primary && s->members == s->voters && s->voters >= MIN(s->r->copies, usable) &&
           s->voters <= s->r->copies;
}

/* The region that evens out two servers best; NULL: none that one has and the other has not. */
static struct standing *best_to_move(const struct plan *plan, const struct load *from,
                                     const struct load *to)
{
    int64_t gap = from->tables - to->tables, best_left = INT64_MAX;
    struct standing *best = NULL;
    for (size_t i = 0; i < plan->p->n_regions; i++) {
        struct standing *s = &plan->p->regions[i];
        if (!at_rest(plan, s) || s->tables == 0 || s->tables >= gap ||
            !can_feed(plan, s, to, plan->limits->learners_per_server) ||
            !master__is_member(s->r, from->server->name) ||
            master__is_member(s->r, to->server->name))
            continue;
        int64_t left = llabs(gap - 2 * s->tables);
        if (left < best_left) {
            best_left = left;
            best = s;
        }
    }
    return best;
}

/* The fullest server that a region can leave for `to`. */
static bool move_to(struct plan *plan, struct load *to)
{
    struct load *from = NULL;
    struct standing *s = NULL;
    for (size_t i = 0; i < plan->p->n_loads; i++) {
        struct load *l = &plan->p->loads[i];
        if (l->tables - to->tables < 2 || (from && !master__less_loaded(from, l)))
            continue;
        struct standing *found = best_to_move(plan, l, to);
        if (found) {
            from = l;
            s = found;
        }
    }
    if (!s)
        return false;
    add_learner(plan, s, to, "to even out the number of tables");
    from->tables -= s->tables;
    plan->moving++;
    return true;
}

static bool move_one(struct plan *plan)
{
    /* to the emptiest server that anything can be moved to */
    bool tried[REPL_MAX_NODES] = {false};
    for (size_t round = 0; round < MIN(plan->p->n_loads, (size_t)REPL_MAX_NODES); round++) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < MIN(plan->p->n_loads, (size_t)REPL_MAX_NODES); i++)
            if (!tried[i] && (best == SIZE_MAX ||
                              master__less_loaded(&plan->p->loads[i], &plan->p->loads[best])))
                best = i;
        tried[best] = true;
        if (!plan->p->loads[best].avoided && move_to(plan, &plan->p->loads[best]))
            return true;
    }
    return false;
}

static void spread_primaries(struct plan *plan)
{
    int asked = 0;
    for (size_t i = 0; i < plan->p->n_regions && asked < plan->limits->moves; i++) {
        struct standing *s = &plan->p->regions[i];
        struct load *to = at_rest(plan, s) ? next_primary(plan, s->r) : NULL;
        if (to && s->primary->primaries - to->primaries >= 2) {
            transfer(plan, s, to, "to even out the number of primaries");
            asked++;
        }
    }
}

/* ---- all of it ---------------------------------------------------------------------------- */

static uint64_t hash_servers(const struct picture *p)
{
    uint64_t h = p->n_loads;
    for (size_t i = 0; i < p->n_loads; i++) {
        const struct server *s = p->loads[i].server;
        h = h * 31 + hash_bytes(s->name, strlen(s->name)) + s->incarnation;
    }
    return h;
}

/* Has all been well for long enough to move things about? */
static bool settled(struct master_memory *m, const struct plan *plan)
{
    uint64_t servers = hash_servers(plan->p);
    if (servers != m->servers || !plan->healthy)
        m->healthy_since = 0;
    m->servers = servers;
    if (!plan->healthy)
        return false;
    if (!m->healthy_since)
        m->healthy_since = MAX(plan->now, 1u);
    return plan->now - m->healthy_since >= plan->limits->settle_ms;
}

bool master_is_settled(const struct master_memory *m, uint64_t now,
                       const struct master_limits *limits)
{
    return m->healthy_since && now - m->healthy_since >= limits->settle_ms;
}

size_t master_plan(struct master_memory *m, const struct catalog_view *v, uint64_t now,
                   const struct master_limits *limits, struct master_action *ret, size_t max)
{
    struct picture p;
    master__picture(v, &p);
    struct plan plan = {.limits = limits,
                        .p = &p,
                        .now = now,
                        .lost_before = &m->lost_since,
                        .healthy = !v->incomplete,
                        .actions = ret,
                        .max = max};
    for (size_t i = 0; i < p.n_regions; i++)
        tend(&plan, &p.regions[i]);
    map_done(&m->lost_since);
    m->lost_since = plan.lost;
    if (settled(m, &plan)) {
        while (plan.moving < limits->moves && plan.n < max && move_one(&plan)) {
        }
        if (!plan.moving)
            spread_primaries(&plan);
    }
    master__picture_done(&p);
    return plan.n;
}
