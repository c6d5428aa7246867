/*
 * Clients: each has one request under way, which it sends again, to whichever server it takes for
 * the primary, until it is answered; so an outcome is never left unknown, but for the requests that
 * a client gives up, whose effect may come at any time later, or never.
 *
 * What they see is checked as it comes. All writes of a key have an order, that of the log. A
 * history is linearizable when that order agrees with real time: what a request returns (a read:
 * the version that it found; a write: its own) is never older than what anybody had seen when it
 * was sent. So one number for a key is enough, the newest version that anybody has seen.
 */
#include "sim/sim_int.h"

static void plan(struct sim *s, unsigned id, uint64_t delay)
{
    struct event *e = event__new(EV_CLIENT, 0, 0);
    e->from = id;
    e->number = ++s->clients[id].number;
    event__at(s, delay, e);
}

static void send(struct sim *s, unsigned id)
{
    struct client *c = &s->clients[id];
    const struct repl_config *config = &s->regions[c->request.region].config;
    unsigned copies = s->faults && sim__likely(s, s->knobs.duplicates) ? 2 : 1;
    c->attempts++;
    s->stats->retries += c->attempts > 1;
    for (; copies; copies--) {
        struct event *e = event__new(EV_REQUEST, config->primary, c->request.region);
        if (sim__likely(s, 100))
            e->server = (unsigned)sim__chance(s, s->n_servers);
        e->request = c->request;
        if (s->faults && sim__likely(s, s->knobs.loss))
            event__free(e);
        else
            event__at(s, net__delay(s), e);
    }
    plan(s, id, sim__between(s, s->knobs.patience_us / 2, s->knobs.patience_us));
}

static void begin(struct sim *s, unsigned id)
{
    struct client *c = &s->clients[id];
    c->busy = true;
    c->attempts = 0;
    c->request = (struct request){.client = id,
                                  .region = (unsigned)sim__chance(s, s->n_regions),
                                  .key = (unsigned)sim__chance(s, KEYS),
                                  .write = sim__likely(s, 700)};
    c->request.seq = ++c->seq;
    if (c->request.write)
        c->request.value = ++s->next_value;
    c->floor = s->regions[c->request.region].seen[c->request.key];
    c->deadline = s->now + 30 * (uint64_t)SECOND;
    send(s, id);
}

void client__timer(struct sim *s, const struct event *e)
{
    struct client *c = &s->clients[e->from];
    if (e->number != c->number)
        return;
    if (c->busy && (s->now >= c->deadline || (s->faults && sim__likely(s, 5))))
        c->busy = false; /* gives it up */
    if (c->busy)
        send(s, e->from);
    else if (s->clients_on && e->from < s->knobs.clients)
        begin(s, e->from);
}

/* The server's answer goes on its way. */
void client__reply(struct sim *s, const struct request *q, bool done, uint64_t lsn)
{
    struct event *e = event__new(EV_REPLY, 0, q->region);
    e->request = *q;
    e->flag = done;
    e->lsn = lsn;
    if (s->faults && sim__likely(s, s->knobs.loss))
        event__free(e);
    else
        event__at(s, net__delay(s), e);
}

/* Which version a request has shown: of a write, where the log has it. */
static uint64_t version_of(struct sim *s, const struct request *q)
{
    struct sim_region *g = &s->regions[q->region];
    uint64_t lsn = (uint64_t)(uintptr_t)map_get_u64(&g->values, q->value);
    if (q->value && !lsn)
        sim__fail(s, "r%u: client %u was told of %llu, which is not committed", q->region,
                  q->client, (unsigned long long)q->value);
    return lsn;
}

static void check_result(struct sim *s, const struct client *c, const struct request *q)
{
    struct sim_region *g = &s->regions[q->region];
    uint64_t lsn = version_of(s, q);
    if (lsn < c->floor || (q->write && lsn == c->floor))
        sim__fail(s,
                  "r%u: client %u %s key %u and is shown version %llu; version %llu had been "
                  "seen before it asked",
                  q->region, q->client, q->write ? "writes" : "reads", q->key,
                  (unsigned long long)lsn, (unsigned long long)c->floor);
    g->seen[q->key] = MAX(g->seen[q->key], lsn);
}

void client__replied(struct sim *s, const struct event *e)
{
    struct client *c = &s->clients[e->request.client];
    const struct request *q = &e->request;
    if (!c->busy || c->request.seq != q->seq)
        return; /* the answer to an earlier attempt, of something else */
    if (!e->flag) {
        plan(s, q->client, sim__between(s, 1 * MS, 50 * MS)); /* elsewhere, or again */
        return;
    }
    check_result(s, c, q);
    c->busy = false;
    s->stats->acked += q->write;
    s->stats->reads += !q->write;
    plan(s, q->client, sim__between(s, s->knobs.think_us / 2, s->knobs.think_us * 3 / 2));
}

void clients__start(struct sim *s)
{
    s->clients_on = true;
    for (unsigned i = 0; i < s->knobs.clients; i++)
        plan(s, i, sim__between(s, 100 * MS, 2 * SECOND));
}

void clients__end(struct sim *s)
{
    s->clients_on = false;
}

bool clients__done(const struct sim *s)
{
    for (unsigned i = 0; i < MAX_CLIENTS; i++)
        if (s->clients[i].busy)
            return false;
    return true;
}
