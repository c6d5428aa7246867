/* Snapshots: a learner fetches the file of a region's primary as it is, on a connection of its own,
 * and puts it in the place of what it has. */
#include "sim/sim_int.h"

static void end(struct sim *s, struct event *from, const struct file *file, uint64_t delay)
{
    struct event *e = event__new(EV_SNAPSHOT_DONE, from->server, from->region);
    e->incarnation = from->incarnation;
    if (file) {
        e->file = NEW(struct file);
        *e->file = *file;
    }
    event__at(s, delay, e);
}

void snapshot__fetch(void *ctx, repl_node from)
{
    struct replica *r = ctx;
    struct sim *s = r->sim;
    if (r->fetching)
        return;
    r->fetching = true;
    TRACE(s, "s%u r%u fetches a snapshot from s%u", r->server, r->region, from);
    if (from >= s->n_servers || from == r->server)
        sim__fail(s, "s%u r%u: a snapshot from %u", r->server, r->region, from);
    struct event *e = event__new(EV_SNAPSHOT_TAKE, r->server, r->region);
    e->from = from;
    e->incarnation = s->servers[r->server].incarnation;
    event__at(s, sim__between(s, 1 * MS, 20 * MS), e);
}

void snapshot__take(struct sim *s, struct event *e)
{
    struct sim_server *from = &s->servers[e->from];
    struct replica *r = &from->replicas[e->region];
    bool cut = s->now < s->blocked_until[e->from][e->server] ||
               s->now < s->blocked_until[e->server][e->from] || (s->faults && sim__likely(s, 100));
    if (!from->up || server__paused(s, from) || !r->core || !r->ready || cut) {
        end(s, e, NULL, sim__between(s, 10 * MS, 300 * MS));
        return;
    }
    bool slow = sim__likely(s, 200);
    end(s, e, &from->copies[e->region].file, sim__between(s, 5 * MS, slow ? 1000 * MS : 100 * MS));
}

/* The file first, then the log, whose entries belong to the history that the snapshot replaces. */
static bool install(struct sim *s, struct sim_server *v, struct replica *r, const struct file *file)
{
    struct copy *c = &v->copies[r->region];
    uint64_t position;
    c->file = c->synced = *file;
    c->damaged = c->rotten = false;
    struct op cut = {.cut = true};
    items__cut(&r->log, 0);
    s->regions[r->region].dirty = true;
    struct error *e = wal_truncate(v->wal, r->region, 0, &position);
    if (!e)
        ops__add(&c->ops, &cut);
    if (!e)
        e = wal_sync(v->wal, position);
    bool ok = !e;
    if (!ok && !v->dying)
        replica__fail(s, r, "its log could not be cut");
    error_free(e);
    for (unsigned i = 0; ok && i < s->n_regions; i++)
        copy__synced(&v->copies[i]); /* one log for all */
    return ok;
}

void snapshot__done(struct sim *s, struct sim_server *v, struct event *e)
{
    struct replica *r = &v->replicas[e->region];
    struct copy *c = &v->copies[e->region];
    struct repl_status status;
    if (!r->core || !r->fetching)
        return;
    r->fetching = false;
    repl_get_status(v->core, r->core, &status);
    bool ok = e->file && !r->failed && (status.damaged || e->file->lsn >= c->file.lsn);
    ok = ok && install(s, v, r, e->file);
    if (v->dying)
        return;
    uint64_t lsn = ok ? e->file->lsn : 0, epoch = ok ? e->file->epoch : 0;
    STORY(s, "s%u r%u: a snapshot up to %llu %s", v->id, e->region, (unsigned long long)lsn,
          ok ? "is installed" : "failed");
    s->stats->snapshots += ok;
    if (ok)
        r->committed = lsn;
    repl_snapshot_done(v->core, server__clock(s, v), r->core, ok, lsn, epoch);
}
