/*
 * Disks. A replica's log is what was appended; a sync that takes its time carries it over to the
 * disk, in order, so that a crash leaves what was synced and any beginning of the rest. Its file
 * takes committed entries at once, and is written back later; the log's beginning is forgotten only
 * when the file as written back holds it.
 */
#include "sim/sim_int.h"

/* ---- items
 * ----------------------------------------------------------------------------------------- */

uint64_t items__last(const struct items *l)
{
    return l->base + l->n;
}

struct item *items__get(const struct items *l, uint64_t lsn)
{
    return lsn > l->base && lsn <= l->base + l->n ? &l->at[lsn - l->base - 1] : NULL;
}

static void items_cut(struct items *l, uint64_t lsn)
{
    if (lsn < items__last(l))
        l->n = lsn > l->base ? (size_t)(lsn - l->base) : 0;
}

static void items_put(struct items *l, const struct item *i)
{
    items_cut(l, i->lsn - 1);
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 16;
        l->at = mem_realloc(l->at, l->cap * sizeof(*l->at));
    }
    l->at[l->n++] = *i;
}

static void items_forget(struct items *l, uint64_t lsn)
{
    if (lsn <= l->base)
        return;
    size_t n = MIN(l->n, (size_t)(lsn - l->base));
    memmove(l->at, l->at + n, (l->n - n) * sizeof(*l->at));
    l->n -= n;
    l->base = lsn;
}

static void items_reset(struct items *l, uint64_t base)
{
    l->n = 0;
    l->base = base;
}

static void items_copy(struct items *to, const struct items *from)
{
    items_reset(to, from->base);
    for (size_t i = 0; i < from->n; i++)
        items_put(to, &from->at[i]);
}

void items__free(struct items *l)
{
    mem_free(l->at);
    *l = (struct items){0};
}

/* ---- what the core asks
 * ---------------------------------------------------------------------------- */

static struct disk *disk_of(struct replica *r)
{
    return &r->sim->servers[r->server].disks[r->region];
}

static void add_op(struct replica *r, const struct op *op)
{
    if (r->n_ops == r->cap_ops) {
        r->cap_ops = r->cap_ops ? r->cap_ops * 2 : 16;
        r->ops = mem_realloc(r->ops, r->cap_ops * sizeof(*r->ops));
    }
    r->ops[r->n_ops++] = *op;
    server__sync(r->sim, &r->sim->servers[r->server]);
}

static uint64_t epoch_at(void *ctx, uint64_t lsn)
{
    struct replica *r = ctx;
    struct item *i = items__get(&r->log, lsn);
    if (i)
        return i->epoch;
    return lsn == disk_of(r)->file.lsn ? disk_of(r)->file.epoch : 0;
}

static struct item item_of(struct replica *r, const struct repl_entry *e)
{
    struct item i = {.lsn = e->lsn, .epoch = e->epoch, .len = e->len};
    if (e->len < sizeof(i.value) || e->len > MAX_DATA)
        sim__fail(r->sim, "s%u r%u appends an entry of %u bytes", r->server, r->region, e->len);
    memcpy(i.data, e->data, e->len);
    memcpy(&i.value, i.data, sizeof(i.value));
    return i;
}

static void append(void *ctx, const struct repl_entry *entries, size_t n)
{
    struct replica *r = ctx;
    struct sim *s = r->sim;
    if (!n || entries[0].lsn > items__last(&r->log) + 1 || entries[0].lsn <= disk_of(r)->file.lsn)
        sim__fail(s, "s%u r%u appends at %llu, log ends at %llu, applied %llu", r->server,
                  r->region, (unsigned long long)(n ? entries[0].lsn : 0),
                  (unsigned long long)items__last(&r->log),
                  (unsigned long long)disk_of(r)->file.lsn);
    TRACE(s, "s%u r%u appends %llu..%llu of epoch %llu", r->server, r->region,
          (unsigned long long)entries[0].lsn, (unsigned long long)entries[n - 1].lsn,
          (unsigned long long)entries[n - 1].epoch);
    for (size_t i = 0; i < n; i++) {
        struct op op = {.item = item_of(r, &entries[i])};
        if (i && op.item.lsn != entries[i - 1].lsn + 1)
            sim__fail(s, "s%u r%u appends with a gap", r->server, r->region);
        check__entry(s, r, &op.item, epoch_at(r, op.item.lsn - 1));
        s->stats->cuts += op.item.lsn <= items__last(&r->log);
        items_put(&r->log, &op.item);
        add_op(r, &op);
    }
}

static void truncate_log(void *ctx, uint64_t lsn)
{
    struct replica *r = ctx;
    TRACE(r->sim, "s%u r%u truncates to %llu", r->server, r->region, (unsigned long long)lsn);
    if (lsn < disk_of(r)->file.lsn)
        sim__fail(r->sim, "s%u r%u truncates to %llu what it applied up to %llu", r->server,
                  r->region, (unsigned long long)lsn, (unsigned long long)disk_of(r)->file.lsn);
    if (lsn >= items__last(&r->log))
        return;
    r->sim->stats->cuts++;
    items_cut(&r->log, lsn);
    struct op op = {.cut = true, .item = {.lsn = lsn}};
    add_op(r, &op);
}

static size_t read_log(void *ctx, uint64_t from, size_t max_bytes, struct repl_entry *ret,
                       size_t max_n)
{
    struct replica *r = ctx;
    size_t n = 0, bytes = 0;
    struct item *i;
    for (; n < max_n && (i = items__get(&r->log, from + n)); n++) {
        bytes += i->len;
        if (n && bytes > max_bytes)
            break;
        ret[n] =
            (struct repl_entry){.lsn = i->lsn, .epoch = i->epoch, .data = i->data, .len = i->len};
    }
    return n;
}

uint64_t disk__hash(uint64_t before, const struct item *i)
{
    uint64_t parts[] = {before, i->lsn, i->value};
    return hash_bytes(parts, sizeof(parts));
}

static void acknowledge(struct replica *r, uint64_t lsn)
{
    struct region *g = &r->sim->regions[r->region];
    size_t n = 0;
    for (; n < r->n_writes && r->writes[n].lsn <= lsn; n++) {
        struct write *w = &r->writes[n];
        if (g->committed[w->lsn - 1].value != w->value)
            sim__fail(
                r->sim, "s%u r%u acknowledges %llu at %llu, where something else is committed",
                r->server, r->region, (unsigned long long)w->value, (unsigned long long)w->lsn);
        g->acked = MAX(g->acked, w->lsn);
        g->acked_writes++;
        r->sim->stats->acked++;
    }
    if (!n)
        return;
    memmove(r->writes, r->writes + n, (r->n_writes - n) * sizeof(*r->writes));
    r->n_writes -= n;
}

static void commit(void *ctx, uint64_t lsn)
{
    struct replica *r = ctx;
    struct disk *d = disk_of(r);
    TRACE(r->sim, "s%u r%u commits up to %llu", r->server, r->region, (unsigned long long)lsn);
    if (lsn < d->file.lsn)
        sim__fail(r->sim, "s%u r%u goes back from %llu to %llu", r->server, r->region,
                  (unsigned long long)d->file.lsn, (unsigned long long)lsn);
    while (d->file.lsn < lsn) {
        struct item *i = items__get(&r->log, d->file.lsn + 1);
        if (!i)
            sim__fail(r->sim, "s%u r%u commits %llu, which its log does not hold", r->server,
                      r->region, (unsigned long long)d->file.lsn + 1);
        check__commit(r->sim, r, i);
        d->file = (struct file){i->lsn, i->epoch, disk__hash(d->file.hash, i)};
    }
    acknowledge(r, lsn);
}

const struct repl_io disk__io = {.append = append,
                                 .truncate = truncate_log,
                                 .read = read_log,
                                 .epoch_at = epoch_at,
                                 .commit = commit};

/* ---- syncing
 * --------------------------------------------------------------------------------------- */

static void apply_ops(struct replica *r, size_t n)
{
    struct items *log = &disk_of(r)->log;
    for (size_t i = 0; i < n; i++) {
        if (r->ops[i].cut)
            items_cut(log, r->ops[i].item.lsn);
        else
            items_put(log, &r->ops[i].item);
    }
    if (!n)
        return;
    r->sim->regions[r->region].dirty = true;
    memmove(r->ops, r->ops + n, (r->n_ops - n) * sizeof(*r->ops));
    r->n_ops -= n;
}

void server__sync(struct sim *s, struct server *v)
{
    if (v->sync_running)
        return;
    v->sync_running = true;
    struct event *e = event__new(EV_SYNCED, v->id, 0);
    e->incarnation = v->incarnation;
    uint64_t delay = sim__between(s, s->knobs.sync_us / 4, s->knobs.sync_us);
    if (s->now < v->slow_disk_until || (s->faults && sim__likely(s, s->knobs.slow_sync)))
        delay += sim__between(s, 50 * MS, 1500 * MS);
    event__at(s, delay, e);
    for (unsigned i = 0; i < s->n_regions; i++)
        v->replicas[i].syncing = SIZE_MAX; /* what comes until it starts is in, too */
    if (sim__likely(s, 500))
        for (unsigned i = 0; i < s->n_regions; i++)
            v->replicas[i].syncing = v->replicas[i].n_ops;
}

/* The sync is done; then the core is told, entry by entry or only of the last one. */
void server__synced(struct sim *s, struct server *v)
{
    v->sync_running = false;
    for (unsigned i = 0; i < s->n_regions; i++) {
        struct replica *r = &v->replicas[i];
        size_t n = MIN(r->syncing, r->n_ops);
        r->syncing = 0;
        if (!r->core || !n || r->failed)
            continue;
        struct item last = {0};
        for (size_t j = 0; j < n; j++)
            if (!r->ops[j].cut)
                last = r->ops[j].item;
        apply_ops(r, n);
        if (last.lsn)
            repl_durable(v->core, server__clock(s, v), r->core, last.lsn, last.epoch);
    }
    for (unsigned i = 0; i < s->n_regions; i++)
        if (v->replicas[i].core && v->replicas[i].n_ops && !v->replicas[i].failed)
            server__sync(s, v);
}

/* What is on disk whatever happens. */
uint64_t disk__durable(const struct disk *d)
{
    return MAX(d->synced.lsn, items__last(&d->log));
}

/* Files are written back, the log's beginning is forgotten, data of regions that went elsewhere is
 * deleted. */
void server__housekeeping(struct sim *s, struct server *v)
{
    for (unsigned i = 0; i < s->n_regions; i++) {
        struct replica *r = &v->replicas[i];
        struct disk *d = &v->disks[i];
        if (!r->core || r->failed)
            continue;
        if (v->known[i].epoch && repl_may_drop(r->core) && sim__likely(s, 200)) {
            STORY(s, "s%u r%u deletes its data", v->id, i);
            replica__close(s, r);
            disk__wipe(d);
            s->regions[i].dirty = true;
            continue;
        }
        if (d->file.lsn <= items__last(&d->log) && sim__likely(s, 500))
            d->synced = d->file;
        if (sim__likely(s, s->knobs.forgets ? 500 : 20) && d->synced.lsn > d->log.base) {
            uint64_t upto = sim__between(s, d->log.base, d->synced.lsn);
            items_forget(&d->log, upto);
            items_forget(&r->log, upto);
        }
    }
}

/* ---- crashes
 * --------------------------------------------------------------------------------------- */

void disk__crash(struct sim *s, struct server *v, unsigned region, bool power)
{
    struct replica *r = &v->replicas[region];
    struct disk *d = &v->disks[region];
    apply_ops(r, (size_t)sim__chance(s, r->n_ops + 1));
    if (power)
        d->file = d->synced;
}

/* Some of what the disk had promised is gone, or all of it; whatever is left is still true. */
void disk__damage(struct sim *s, struct server *v, unsigned region)
{
    struct disk *d = &v->disks[region];
    s->stats->damages++;
    s->regions[region].dirty = true;
    d->damaged = true;
    if (sim__likely(s, 400)) {
        items_reset(&d->log, 0);
        d->file = d->synced = (struct file){0};
    } else {
        d->file = d->synced;
        items_cut(&d->log, sim__between(s, d->log.base, items__last(&d->log)));
    }
    STORY(s, "s%u r%u is damaged", v->id, region);
}

/* The log as the process finds it. A file that is ahead of it makes it start there. */
void disk__recover(struct sim *s, struct replica *r)
{
    struct disk *d = &s->servers[r->server].disks[r->region];
    if (d->file.lsn > items__last(&d->log) || d->file.lsn < d->log.base) {
        if (d->file.lsn < d->log.base && !d->damaged)
            sim__fail(s, "s%u r%u: a hole sim__between file and log", r->server, r->region);
        items_reset(&d->log, d->file.lsn);
        d->synced = d->file;
    }
    items_copy(&r->log, &d->log);
}

void disk__wipe(struct disk *d)
{
    items__free(&d->log);
    *d = (struct disk){0};
}

/* ---- snapshots
 * ------------------------------------------------------------------------------------- */

static void end_snapshot(struct sim *s, struct event *from, bool ok, uint64_t delay)
{
    struct event *e = event__new(EV_SNAPSHOT_DONE, from->server, from->region);
    e->incarnation = from->incarnation;
    e->file = from->file;
    e->flag = ok;
    event__at(s, delay, e);
}

void disk__fetch_snapshot(void *ctx, repl_node from)
{
    struct replica *r = ctx;
    if (r->fetching)
        return;
    r->fetching = true;
    TRACE(r->sim, "s%u r%u fetches a snapshot from s%u", r->server, r->region, from);
    if (from >= r->sim->n_servers || from == r->server)
        sim__fail(r->sim, "s%u r%u: a snapshot from %u", r->server, r->region, from);
    struct event *e = event__new(EV_SNAPSHOT_TAKE, r->server, r->region);
    e->from = from;
    e->incarnation = r->sim->servers[r->server].incarnation;
    event__at(r->sim, sim__between(r->sim, 1 * MS, 20 * MS), e);
}

void snapshot__take(struct sim *s, struct event *e)
{
    struct server *from = &s->servers[e->from];
    struct replica *r = &from->replicas[e->region];
    bool cut = s->now < s->blocked_until[e->from][e->server] ||
               s->now < s->blocked_until[e->server][e->from] || (s->faults && sim__likely(s, 100));
    if (!from->up || server__paused(s, from) || !r->core || from->disks[e->region].damaged || cut) {
        end_snapshot(s, e, false, sim__between(s, 10 * MS, 300 * MS));
        return;
    }
    e->file = from->disks[e->region].file;
    end_snapshot(s, e, true, sim__between(s, 5 * MS, sim__likely(s, 200) ? 1000 * MS : 100 * MS));
}

void snapshot__done(struct sim *s, struct server *v, struct event *e)
{
    struct replica *r = &v->replicas[e->region];
    struct disk *d = &v->disks[e->region];
    if (!r->core || !r->fetching)
        return;
    r->fetching = false;
    bool ok = e->flag && !r->failed && (d->damaged || e->file.lsn >= d->file.lsn);
    STORY(s, "s%u r%u: snapshot up to %llu %s", v->id, e->region, (unsigned long long)e->file.lsn,
          ok ? "installed" : "failed");
    if (ok) {
        s->stats->snapshots++;
        d->file = d->synced = e->file;
        d->damaged = false;
        items_reset(&d->log, e->file.lsn);
        items_reset(&r->log, e->file.lsn);
        r->n_ops = r->syncing = 0;
        s->regions[e->region].dirty = true;
    }
    repl_snapshot_done(v->core, server__clock(s, v), r->core, ok, e->file.lsn, e->file.epoch);
}
