/*
 * The coordination store: one config per region, changed by compare-and-swap on its epoch. A
 * request or its answer may be late or lost; then the server is told `unknown`, and the swap may
 * still happen afterwards, after a crash of the server too. Watches come in any order.
 */
#include "sim/sim_int.h"

bool config__holds(const struct repl_config *c, unsigned server)
{
    bool found = c->primary == server;
    for (uint32_t i = 0; i < c->n_backups; i++)
        found |= c->backups[i] == server;
    return c->epoch && found;
}

bool config__learner(const struct repl_config *c, unsigned server)
{
    bool found = false;
    for (uint32_t i = 0; i < c->n_learners; i++)
        found |= c->learners[i] == server;
    return c->epoch && found;
}

const char *config__text(const struct repl_config *c)
{
    static char texts[4][128];
    static unsigned next;
    char *text = texts[next++ % 4];
    int n = snprintf(text, 128, "{%llu: s%u", (unsigned long long)c->epoch, c->primary);
    for (uint32_t i = 0; i < c->n_backups; i++)
        n += snprintf(text + n, (size_t)(128 - n), " s%u", c->backups[i]);
    for (uint32_t i = 0; i < c->n_learners; i++)
        n += snprintf(text + n, (size_t)(128 - n), " +s%u", c->learners[i]);
    snprintf(text + n, (size_t)(128 - n), "}");
    return text;
}

bool coord__away(const struct sim *s, const struct sim_server *v)
{
    return s->now < v->store_away_until;
}

static uint64_t store_delay(struct sim *s)
{
    if (s->faults && sim__likely(s, s->knobs.swap_trouble))
        return sim__between(s, 100 * MS, 3 * SECOND);
    return sim__between(s, 300, 5 * MS);
}

/* ---- watches
 * --------------------------------------------------------------------------------------- */

static void tell_everybody(struct sim *s, unsigned region)
{
    for (unsigned i = 0; i < s->n_servers; i++) {
        struct sim_server *v = &s->servers[i];
        if (!v->up)
            continue;
        struct event *e = event__new(EV_WATCH, i, region);
        e->incarnation = v->incarnation;
        e->current = s->regions[region].config;
        event__at(s, store_delay(s), e);
    }
}

/* As a server does that holds replicas: it opens one that a config names it for. */
void coord__deliver(struct sim *s, struct sim_server *v, unsigned region,
                    const struct repl_config *c)
{
    struct replica *r = &v->replicas[region];
    if (!c->epoch)
        return;
    if (c->epoch > v->known[region].epoch)
        v->known[region] = *c;
    else if (!r->core)
        return;
    bool member = config__holds(c, v->id) || config__learner(c, v->id);
    if (!r->core && member) /* at a start, a copy of which nothing is there was lost */
        replica__open(s, v, region, v->opening && c->epoch > 1);
    if (!r->core)
        return;
    TRACE(s, "s%u r%u learns of %s", v->id, region, config__text(c));
    repl_config_changed(v->core, server__clock(s, v), r->core, c);
}

static void plan_read(struct sim *s, struct sim_server *v, uint64_t delay)
{
    struct event *e = event__new(EV_READ_STORE, v->id, 0);
    e->incarnation = v->incarnation;
    event__at(s, delay, e);
}

/* All records, at a start and when the store was out of reach for a while. */
void coord__read(struct sim *s, struct sim_server *v)
{
    if (coord__away(s, v)) {
        plan_read(s, v, v->store_away_until - s->now + 1 * MS);
        return;
    }
    for (unsigned i = 0; i < s->n_regions; i++)
        coord__deliver(s, v, i, &s->regions[i].config);
    v->opening = false;
}

void coord__away_for(struct sim *s, struct sim_server *v, uint64_t us)
{
    v->store_away_until = MAX(v->store_away_until, s->now + us);
    if (v->up)
        plan_read(s, v, us + 1 * MS);
}

/* ---- swaps
 * ----------------------------------------------------------------------------------------- */

static void answer(struct sim *s, const struct event *to, enum answer answer, uint64_t delay)
{
    struct event *e = event__new(EV_ANSWER, to->server, to->region);
    e->incarnation = to->incarnation;
    e->answer = answer;
    e->current = to->current;
    e->next = to->next;
    event__at(s, delay, e);
}

void coord__propose(void *ctx, const struct repl_config *current, const struct repl_config *next)
{
    struct replica *r = ctx;
    struct sim *s = r->sim;
    struct sim_server *v = &s->servers[r->server];
    if (v->dying)
        return;
    TRACE(s, "s%u r%u proposes %s for %s", r->server, r->region, config__text(next),
          config__text(current));
    if (next->epoch != current->epoch + 1)
        sim__fail(s, "s%u r%u proposes %s for %s", r->server, r->region, config__text(next),
                  config__text(current));
    struct event *e = event__new(EV_SWAP, r->server, r->region);
    e->incarnation = v->incarnation;
    e->current = *current;
    e->next = *next;
    bool trouble = s->faults && sim__likely(s, s->knobs.swap_trouble);
    if (coord__away(s, v) || (trouble && sim__likely(s, 400))) { /* it does not get there */
        answer(s, e, ANSWER_UNKNOWN, sim__between(s, 10 * MS, 1 * SECOND));
        event__free(e);
        return;
    }
    s->regions[r->region].swaps_in_flight++;
    if (trouble && sim__likely(s, 300)) { /* it gets there when nobody waits for it any more */
        answer(s, e, ANSWER_UNKNOWN, 500 * MS);
        e->flag = true;
        event__at(s, sim__between(s, 500 * MS, 4 * SECOND), e);
    } else {
        event__at(s, store_delay(s), e);
    }
}

void coord__swap(struct sim *s, struct event *e)
{
    struct sim_region *g = &s->regions[e->region];
    g->swaps_in_flight--;
    bool fits = g->config.epoch == e->current.epoch;
    STORY(s, "r%u the store %s %s by s%u", e->region, fits ? "takes" : "refuses",
          config__text(&e->next), e->server);
    if (fits) {
        s->stats->swaps++;
        check__swap(s, e->region, e->server, &g->config, &e->next);
        struct repl_config old = g->config;
        g->config = e->next;
        master__remember_former(g, &old);
        g->dirty = true;
        tell_everybody(s, e->region);
    }
    if (e->flag)
        return; /* its sender was told long ago */
    bool lost = s->faults && sim__likely(s, s->knobs.swap_trouble);
    answer(s, e, lost ? ANSWER_UNKNOWN : fits ? ANSWER_DONE : ANSWER_REFUSED, store_delay(s));
}

void coord__answer(struct sim *s, struct sim_server *v, struct event *e)
{
    struct replica *r = &v->replicas[e->region];
    if (!r->core)
        return;
    if (e->answer == ANSWER_DONE) {
        coord__deliver(s, v, e->region, &e->next);
        return;
    }
    TRACE(s, "s%u r%u: the proposal of epoch %llu is %s", v->id, e->region,
          (unsigned long long)e->next.epoch, e->answer == ANSWER_UNKNOWN ? "unknown" : "refused");
    repl_proposal_failed(v->core, server__clock(s, v), r->core, e->next.epoch,
                         e->answer == ANSWER_UNKNOWN);
}

/* The first config of a region: whoever creates it chooses its servers. */
void coord__create(struct sim *s, unsigned region)
{
    struct repl_config *c = &s->regions[region].config;
    unsigned first = (unsigned)sim__chance(s, s->n_servers);
    *c = (struct repl_config){.epoch = 1, .primary = first};
    for (unsigned i = 1; i < s->copies; i++)
        c->backups[c->n_backups++] = (first + i) % s->n_servers;
    tell_everybody(s, region);
}
