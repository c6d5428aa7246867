/*
 * The invariants, checked while the world goes on. The first seven are those of repl.h and
 * DESIGN.md, section 3, as an observer sees them who knows all disks.
 *
 *  A. One history: an lsn that is committed anywhere is the same entry everywhere, for ever.
 *  B. Every member of the config in the store has all that is committed anywhere on its disk.
 *  C. At most one server may serve a region, and it has applied all that was acknowledged.
 *  D. A replica never goes back: not in its file, not in its log below what it applied (replica.c).
 *  E. (lsn, epoch) names one entry, and the same entry before it.
 *  F. A config follows from the one before: epoch + 1, by a member of it, made of its members and
 *     learners, never only of damaged copies.
 *  G. What was acknowledged is committed, once, in every copy.
 *  H. Histories are linearizable (client.c).
 *  I. The log holds after a crash what was synced, and a beginning of the rest (copy.c).
 */
#include "sim/sim_int.h"

/* As the cluster's hours pass, with those that were skipped. */
static void print_time(const struct sim *s)
{
    uint64_t ms = (s->now + s->skipped) / MS;
    printf("%3llu:%02llu:%02llu.%03llu  ", (unsigned long long)ms / 3600000,
           (unsigned long long)ms / 60000 % 60, (unsigned long long)ms / 1000 % 60,
           (unsigned long long)ms % 1000);
}

void sim__trace(struct sim *s, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    print_time(s);
    vprintf(format, ap);
    putchar('\n');
    va_end(ap);
}

_Noreturn void sim__fail(struct sim *s, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fputs("FAILED: ", stdout);
    print_time(s);
    vprintf(format, ap);
    printf("\n  see it: %s\n", sim__command(s));
    va_end(ap);
    fflush(stdout);
    _Exit(1);
}

void sim__trace_message(struct sim *s, unsigned from, unsigned to, const char *what,
                        const void *bytes, size_t len)
{
    if (s->level < LEVEL_ALL)
        return;
    struct buf text = {0};
    repl_describe(bytes, len, &text);
    sim__trace(s, "s%u -> s%u %s%s", from, to, text.data, what);
    buf_done(&text);
}

/* ---- entries
 * --------------------------------------------------------------------------------------- */

struct named {
    uint64_t value, prev_epoch;
};

/* E: whoever appends (lsn, epoch) appends what everybody did, behind what everybody had. */
void check__entry(struct sim *s, struct replica *r, const struct item *i, uint64_t prev_epoch)
{
    struct sim_region *g = &s->regions[r->region];
    struct named *n = map_get_u64(&g->named, i->epoch << 32 | i->lsn);
    if (!n) {
        n = NEW(struct named);
        *n = (struct named){i->value, prev_epoch};
        map_put_u64(&g->named, i->epoch << 32 | i->lsn, n);
        return;
    }
    if (n->value != i->value)
        sim__fail(s, "s%u r%u: entry %llu of epoch %llu is %llu here, %llu elsewhere", r->server,
                  r->region, (unsigned long long)i->lsn, (unsigned long long)i->epoch,
                  (unsigned long long)i->value, (unsigned long long)n->value);
    if (prev_epoch && n->prev_epoch && n->prev_epoch != prev_epoch)
        sim__fail(s,
                  "s%u r%u: before entry %llu of epoch %llu comes epoch %llu here, %llu elsewhere",
                  r->server, r->region, (unsigned long long)i->lsn, (unsigned long long)i->epoch,
                  (unsigned long long)prev_epoch, (unsigned long long)n->prev_epoch);
}

static void add_truth(struct sim_region *g, const struct item *i)
{
    uint64_t before = g->n_committed ? g->committed[g->n_committed - 1].hash : 0;
    if (g->n_committed == g->cap_committed) {
        g->cap_committed = g->cap_committed ? g->cap_committed * 2 : 64;
        g->committed = mem_realloc(g->committed, g->cap_committed * sizeof(*g->committed));
    }
    g->committed[g->n_committed++] = (struct truth){*i, copy__hash(before, i)};
}

/* G: a request is applied once. */
static void check_once(struct sim *s, const struct replica *r, const struct item *i)
{
    struct sim_region *g = &s->regions[r->region];
    void *lsn = (void *)(uintptr_t)i->lsn;
    if (i->kind == ENTRY_WRITE) {
        void *before = map_put_u64(&g->requests, (uint64_t)i->client << 56 | i->seq, lsn);
        if (before)
            sim__fail(s, "r%u: request %llu of client %u is applied at %llu and at %llu", r->region,
                      (unsigned long long)i->seq, i->client, (unsigned long long)(uintptr_t)before,
                      (unsigned long long)i->lsn);
    }
    if (map_put_u64(&g->values, i->value, lsn))
        sim__fail(s, "r%u: value %llu is there twice", r->region, (unsigned long long)i->value);
}

/* A. */
void check__apply(struct sim *s, struct replica *r, const struct item *i)
{
    struct sim_region *g = &s->regions[r->region];
    if (!i || i->lsn != s->servers[r->server].copies[r->region].file.lsn + 1)
        sim__fail(s, "s%u r%u applies %llu, its file is at %llu", r->server, r->region,
                  (unsigned long long)(i ? i->lsn : 0),
                  (unsigned long long)s->servers[r->server].copies[r->region].file.lsn);
    if (i->lsn <= g->n_committed) {
        const struct item *t = &g->committed[i->lsn - 1].item;
        if (t->value != i->value || t->epoch != i->epoch)
            sim__fail(s, "s%u r%u commits %llu of epoch %llu at %llu, where %llu of epoch %llu is",
                      r->server, r->region, (unsigned long long)i->value,
                      (unsigned long long)i->epoch, (unsigned long long)i->lsn,
                      (unsigned long long)t->value, (unsigned long long)t->epoch);
        return;
    }
    if (i->lsn != g->n_committed + 1)
        sim__fail(s, "s%u r%u commits %llu, everybody is at %zu", r->server, r->region,
                  (unsigned long long)i->lsn, g->n_committed);
    check_once(s, r, i);
    add_truth(g, i);
    g->dirty = true;
    s->stats->committed++;
}

/* G: what a client is told is committed. */
void check__acknowledge(struct sim *s, const struct replica *r, const struct request *q,
                        uint64_t lsn)
{
    struct sim_region *g = &s->regions[r->region];
    uint64_t at = (uint64_t)(uintptr_t)map_get_u64(&g->values, q->value);
    bool stale =
        !lsn && s->servers[r->server].copies[r->region].file.requests[q->client].seq > q->seq;
    if (stale)
        return; /* its client has long gone on to the next */
    if (!at || (lsn && at != lsn))
        sim__fail(s, "s%u r%u tells client %u that %llu is at %llu; it is at %llu", r->server,
                  r->region, q->client, (unsigned long long)q->value, (unsigned long long)lsn,
                  (unsigned long long)at);
    g->acked = MAX(g->acked, at);
}

/* ---- configs
 * --------------------------------------------------------------------------------------- */

static bool sound(const struct sim_server *v, unsigned region)
{
    const struct copy *c = &v->copies[region];
    return c->exists && !c->damaged && !c->rotten && !v->lost[region];
}

static bool whole(const struct sim *s, unsigned region, const struct repl_config *c)
{
    for (unsigned i = 0; i < s->n_servers; i++)
        if (config__holds(c, i) && sound(&s->servers[i], region))
            return true;
    return false;
}

/* F. */
void check__swap(struct sim *s, unsigned region, unsigned by, const struct repl_config *old,
                 const struct repl_config *next)
{
    const char *wrong = NULL;
    if (next->epoch != old->epoch + 1)
        wrong = "does not raise the epoch by one";
    else if (!config__holds(old, by))
        wrong = "was proposed by a stranger";
    else if (!config__holds(old, next->primary))
        wrong = "makes a stranger the primary";
    else if (!whole(s, region, next))
        wrong = "has damaged copies only";
    for (uint32_t i = 0; i < next->n_backups; i++) {
        if (!config__holds(old, next->backups[i]) && !config__learner(old, next->backups[i]))
            wrong = "has a backup that was no learner";
        for (uint32_t j = 0; j < i; j++)
            if (next->backups[i] == next->backups[j])
                wrong = "names a backup twice";
        if (next->backups[i] == next->primary || config__learner(next, next->backups[i]))
            wrong = "names a server in two roles";
    }
    if (wrong)
        sim__fail(s, "r%u: the config %s after %s %s", region, config__text(next),
                  config__text(old), wrong);
    if (next->primary != old->primary)
        s->stats->takeovers++;
}

static bool has_on_disk(const struct copy *c, const struct sim_region *g, uint64_t lsn)
{
    if (!lsn || c->synced.lsn >= lsn)
        return true;
    const struct item *i = items__get(&c->log, lsn), *t = &g->committed[lsn - 1].item;
    return i && i->value == t->value && i->epoch == t->epoch;
}

/* B. Seldom the whole log; mostly its end, which by E speaks for the rest. */
static void check_durable(struct sim *s, unsigned region)
{
    struct sim_region *g = &s->regions[region];
    g->dirty = false;
    bool all = ++s->checks % 64 == 0;
    for (unsigned i = 0; i < s->n_servers; i++) {
        const struct copy *c = &s->servers[i].copies[region];
        if (!config__holds(&g->config, i) || c->damaged || c->rotten || s->servers[i].lost[region])
            continue;
        for (uint64_t lsn = g->n_committed; lsn; lsn = all ? lsn - 1 : 0)
            if (!has_on_disk(c, g, lsn))
                sim__fail(s, "r%u: %llu is committed, but s%u of %s does not have it on disk",
                          region, (unsigned long long)lsn, i, config__text(&g->config));
    }
}

bool check__proposing(const struct sim *s, unsigned region)
{
    for (unsigned i = 0; i < s->n_servers; i++) {
        const struct repl_replica *p = s->servers[i].replicas[region].core;
        struct repl_status status = {0};
        if (p)
            repl_get_status(s->servers[i].core, p, &status);
        if (status.proposing)
            return true;
    }
    return false;
}

/* Has what was promised, and goes on having it. */
static bool well(const struct sim_server *v, unsigned region)
{
    const struct disk *d = &v->disk;
    uint64_t now = v->replicas[region].sim->now;
    return sound(v, region) && !v->log_failed && !v->replicas[region].failed && !d->refused &&
           now >= MAX(d->bad_until, MAX(d->full_until, d->unreadable_until));
}

/* .. and can be heard by the other members: else they may let it go. */
static bool there(const struct sim *s, unsigned server, unsigned region)
{
    const struct sim_server *v = &s->servers[server];
    const struct repl_config *c = &s->regions[region].config;
    for (unsigned i = 0; i < s->n_servers; i++)
        if (config__holds(c, i) &&
            (s->blocked_until[server][i] > s->now || s->blocked_until[i][server] > s->now))
            return false;
    return well(v, region) && v->up && !server__paused(s, v);
}

/* The only member that is well, beside some that are not. */
bool check__is_last(const struct sim *s, unsigned server, unsigned region)
{
    const struct repl_config *c = &s->regions[region].config;
    unsigned others = 0;
    for (unsigned i = 0; i < s->n_servers; i++) {
        if (i == server || !config__holds(c, i))
            continue;
        if (well(&s->servers[i], region))
            return false;
        others++;
    }
    return others && well(&s->servers[server], region);
}

/* A copy may be lost only while a member with all data remains: then, and by every swap that is on
 * its way. (A lost copy together with a config that names it alone is beyond what f + 1 copies
 * promise.) */
bool check__may_lose(struct sim *s, unsigned server, unsigned region)
{
    const struct sim_region *g = &s->regions[region];
    if (!config__holds(&g->config, server))
        return true;
    if (g->swaps_in_flight || check__proposing(s, region))
        return false;
    for (unsigned i = 0; i < s->n_servers; i++)
        if (i != server && config__holds(&g->config, i) && there(s, i, region))
            return true;
    return false;
}

/* ---- serving
 * --------------------------------------------------------------------------------------- */

static void check_served(struct sim *s, unsigned region, const struct sim_server *v)
{
    const struct sim_region *g = &s->regions[region];
    if (v->copies[region].file.lsn < g->acked)
        sim__fail(s, "r%u: s%u serves reads at %llu, %llu was acknowledged", region, v->id,
                  (unsigned long long)v->copies[region].file.lsn, (unsigned long long)g->acked);
    if (v->copies[region].damaged)
        sim__fail(s, "r%u: s%u serves a damaged copy", region, v->id);
}

/* C, at this very moment, paused servers too: a read there would be answered. */
static void check_serving(struct sim *s, unsigned region)
{
    unsigned serving = s->n_servers;
    for (unsigned i = 0; i < s->n_servers; i++) {
        struct sim_server *v = &s->servers[i];
        const struct replica *r = &v->replicas[region];
        if (!v->up || !r->core || !repl_may_serve(r->core, server__clock(s, v)))
            continue;
        if (serving < s->n_servers)
            sim__fail(s, "r%u: s%u and s%u both serve", region, serving, i);
        serving = i;
        if (r->ready)
            check_served(s, region, v);
    }
}

void check__step(struct sim *s)
{
    for (unsigned i = 0; i < s->n_regions; i++) {
        if (s->regions[i].dirty)
            check_durable(s, i);
        check_serving(s, i);
    }
}

/* ---- the end
 * --------------------------------------------------------------------------------------- */

bool check__healthy(struct sim *s, unsigned *ret_region)
{
    for (unsigned i = 0; i < s->n_regions; i++) {
        const struct repl_config *c = &s->regions[i].config;
        struct sim_server *v = &s->servers[c->primary];
        *ret_region = i;
        if (1 + c->n_backups != s->copies || c->n_learners || !v->up || !v->replicas[i].ready ||
            !repl_may_serve(v->replicas[i].core, server__clock(s, v)))
            return false;
        for (unsigned j = 0; j < s->n_servers; j++)
            if (config__holds(c, j) && !sound(&s->servers[j], i))
                return false;
    }
    return true;
}

/* All copies have applied everything, the same. (A log may end in a former primary's entries, which
 * nobody else has: they go when others come.) */
bool check__settled(struct sim *s, const char **ret_why)
{
    static char why[128];
    for (unsigned i = 0; i < s->n_regions; i++) {
        const struct sim_region *g = &s->regions[i];
        uint64_t hash = g->n_committed ? g->committed[g->n_committed - 1].hash : 0;
        for (unsigned j = 0; j < s->n_servers; j++) {
            const struct sim_server *v = &s->servers[j];
            const struct copy *c = &v->copies[i];
            *ret_why = "a copy that nobody counts on is still there";
            if (!config__holds(&g->config, j) && c->exists)
                return false;
            if (!config__holds(&g->config, j))
                continue;
            snprintf(why, sizeof(why), "r%u: s%u is at %llu, log to %llu, of %zu", i, j,
                     (unsigned long long)c->file.lsn,
                     (unsigned long long)items__last(&v->replicas[i].log), g->n_committed);
            *ret_why = why;
            if (c->file.lsn != g->n_committed)
                return false;
            *ret_why = "the copies differ";
            if (c->file.hash != hash)
                return false;
        }
    }
    return true;
}

/* G. What was acknowledged is there; that it is there once was seen when it was committed, and that
 * the copies are equal, when they settled. */
void check__end(struct sim *s)
{
    for (unsigned i = 0; i < s->n_regions; i++) {
        const struct sim_region *g = &s->regions[i];
        if (g->acked > g->n_committed)
            sim__fail(s, "r%u: %llu was acknowledged, %zu are there", i,
                      (unsigned long long)g->acked, g->n_committed);
    }
}
