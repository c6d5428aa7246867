/*
 * One replica: the real core between the real log, the file, and the clients. It does what region/
 * does with threads: appends go to the log's buffer, a sync makes them durable and tells the core,
 * committed entries are applied from the log, a primary that has applied all of them is ready, and
 * runs its clients' writes in batches.
 *
 * A batch runs on a copy of the file, where each request looks for its own result first; its
 * entries are logged; and only when all of them are committed does the copy take the file's place,
 * and the clients are told (DESIGN.md, section 3, invariants 5 and 6).
 */
#include "sim/sim_int.h"

static struct sim_server *server_of(const struct replica *r)
{
    return &r->sim->servers[r->server];
}

static struct copy *copy_of(const struct replica *r)
{
    return &server_of(r)->copies[r->region];
}

/* ---- what the core asks --------------------------------------------------------------------- */

static uint64_t on_epoch_at(void *ctx, uint64_t lsn)
{
    const struct replica *r = ctx;
    const struct file *f = &copy_of(r)->file;
    uint64_t epoch = wal_epoch(server_of(r)->wal, r->region, lsn);
    return epoch ? epoch : lsn == f->lsn ? f->epoch : 0;
}

static void check_append(struct replica *r, const struct repl_entry *entries, size_t n)
{
    uint64_t applied = copy_of(r)->file.lsn, last = items__last(&r->log);
    bool follows = !r->log.n || entries[0].lsn <= last + 1;
    if (!n || !follows || entries[0].lsn <= applied)
        sim__fail(r->sim, "s%u r%u appends at %llu, the log ends at %llu, applied is %llu",
                  r->server, r->region, (unsigned long long)(n ? entries[0].lsn : 0),
                  (unsigned long long)last, (unsigned long long)applied);
    TRACE(r->sim, "s%u r%u appends %llu..%llu of epoch %llu", r->server, r->region,
          (unsigned long long)entries[0].lsn, (unsigned long long)entries[n - 1].lsn,
          (unsigned long long)entries[n - 1].epoch);
}

static void specify(struct replica *r, const struct repl_entry *e, bool logged)
{
    struct op op = {.item = item__decode(r->sim, e->lsn, e->epoch, e->data, e->len)};
    const struct item *before = items__get(&r->log, e->lsn - 1);
    check__entry(r->sim, r, &op.item, before ? before->epoch : on_epoch_at(r, e->lsn - 1));
    r->sim->stats->cuts += e->lsn <= items__last(&r->log);
    items__put(&r->log, &op.item);
    if (logged)
        ops__add(&copy_of(r)->ops, &op);
}

/* The log took nothing of that, and is not asked again. */
static void note_failure(struct sim_server *v, struct error *e)
{
    v->log_failed |= e != NULL;
    error_free(e);
}

static void on_append(void *ctx, const struct repl_entry *entries, size_t n)
{
    enum { MOST = 512 };
    struct replica *r = ctx;
    struct sim_server *v = server_of(r);
    struct wal_entry list[MOST];
    uint64_t position;
    if (n > MOST)
        sim__fail(r->sim, "s%u r%u appends %zu entries", r->server, r->region, n);
    check_append(r, entries, n);
    for (size_t i = 0; i < n; i++)
        list[i] = (struct wal_entry){r->region, entries[i].lsn, entries[i].epoch, entries[i].data,
                                     entries[i].len};
    if (!v->log_failed)
        note_failure(v, wal_append(v->wal, list, n, &position));
    for (size_t i = 0; i < n; i++)
        specify(r, &entries[i], !v->log_failed);
    r->logged_lsn = entries[n - 1].lsn;
    r->logged_epoch = entries[n - 1].epoch;
    r->unsynced = true;
    server__sync(r->sim, v);
}

static void on_truncate(void *ctx, uint64_t lsn)
{
    struct replica *r = ctx;
    struct sim_server *v = server_of(r);
    uint64_t position;
    TRACE(r->sim, "s%u r%u truncates to %llu", r->server, r->region, (unsigned long long)lsn);
    if (lsn < copy_of(r)->file.lsn)
        sim__fail(r->sim, "s%u r%u truncates to %llu what it applied up to %llu", r->server,
                  r->region, (unsigned long long)lsn, (unsigned long long)copy_of(r)->file.lsn);
    struct op op = {.cut = true, .item = {.lsn = lsn}};
    r->sim->stats->cuts++;
    items__cut(&r->log, lsn);
    if (!v->log_failed)
        note_failure(v, wal_truncate(v->wal, r->region, lsn, &position));
    if (!v->log_failed)
        ops__add(&copy_of(r)->ops, &op);
}

static void check_read(struct replica *r, const struct wal_entry *e)
{
    struct item real = item__decode(r->sim, e->lsn, e->epoch, e->data, e->len);
    const struct sim_region *g = &r->sim->regions[r->region];
    const struct item *i = items__get(&r->log, e->lsn);
    if (!i && e->lsn <= g->n_committed) /* a segment that was to be recycled came back */
        i = &g->committed[e->lsn - 1].item;
    if (!i || i->value != real.value || i->epoch != real.epoch)
        sim__fail(r->sim,
                  "s%u r%u reads %llu of epoch %llu at %llu from the log, where it had put "
                  "%llu of epoch %llu",
                  r->server, r->region, (unsigned long long)real.value,
                  (unsigned long long)real.epoch, (unsigned long long)e->lsn,
                  (unsigned long long)(i ? i->value : 0), (unsigned long long)(i ? i->epoch : 0));
}

static struct error *read_log(struct replica *r, uint64_t from, size_t max_bytes,
                              struct wal_entry *ret, size_t max_n, size_t *ret_n)
{
    struct sim_server *v = server_of(r);
    arena_reset(&v->arena);
    TRY(wal_read(v->wal, r->region, from, max_bytes, &v->arena, ret, max_n, ret_n));
    for (size_t i = 0; i < *ret_n; i++)
        check_read(r, &ret[i]);
    return NULL;
}

static size_t on_read(void *ctx, uint64_t from, size_t max_bytes, struct repl_entry *ret,
                      size_t max_n)
{
    enum { MOST = 256 };
    struct wal_entry list[MOST];
    size_t n = 0;
    struct error *e = read_log(ctx, from, max_bytes, list, MIN(max_n, (size_t)MOST), &n);
    if (e) {
        error_free(e);
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        ret[i] = (struct repl_entry){
            .lsn = list[i].lsn, .epoch = list[i].epoch, .data = list[i].data, .len = list[i].len};
    return n;
}

static void on_commit(void *ctx, uint64_t lsn)
{
    struct replica *r = ctx;
    TRACE(r->sim, "s%u r%u commits up to %llu", r->server, r->region, (unsigned long long)lsn);
    if (lsn < r->committed)
        sim__fail(r->sim, "s%u r%u goes back from %llu to %llu", r->server, r->region,
                  (unsigned long long)r->committed, (unsigned long long)lsn);
    r->committed = lsn;
}

static void on_role(void *ctx, enum repl_role role, bool serving, uint64_t epoch)
{
    static const char *const names[] = {"none", "learner", "backup", "primary"};
    struct replica *r = ctx;
    serving = serving && role == REPL_PRIMARY;
    STORY(r->sim, "s%u r%u is %s%s, epoch %llu", r->server, r->region, names[role],
          serving ? ", serving" : "", (unsigned long long)epoch);
    r->sim->stats->serving += serving && !r->serving;
    if (r->serving && !serving) {
        r->reign++;
        r->ready = false;
    }
    r->role = role;
    r->serving = serving;
}

const struct repl_io replica__io = {.append = on_append,
                                    .truncate = on_truncate,
                                    .read = on_read,
                                    .epoch_at = on_epoch_at,
                                    .commit = on_commit,
                                    .role = on_role,
                                    .propose = coord__propose,
                                    .fetch_snapshot = snapshot__fetch};

/* ---- syncing --------------------------------------------------------------------------------- */

void replica__fail(struct sim *s, struct replica *r, const char *why)
{
    if (r->failed || !r->core)
        return;
    STORY(s, "s%u r%u: this copy stops: %s", r->server, r->region, why);
    r->failed = true;
    r->ready = false;
    s->stats->disk_failures++;
    repl_failed(server_of(r)->core, server__clock(s, server_of(r)), r->core);
}

/* What is appended until it starts is in, too; mostly it started at once. */
void server__sync(struct sim *s, struct sim_server *v)
{
    if (v->sync_running)
        return;
    v->sync_running = true;
    uint64_t delay = sim__between(s, s->knobs.sync_us / 4, s->knobs.sync_us);
    if (s->now < v->slow_disk_until || (s->faults && sim__likely(s, s->knobs.slow_sync)))
        delay += sim__between(s, 50 * MS, 1500 * MS);
    event__at_process(s, delay, event__new(EV_SYNCED, v->id, 0));
    bool early = sim__likely(s, 500);
    for (unsigned i = 0; i < s->n_regions; i++) {
        struct replica *r = &v->replicas[i];
        r->syncing_lsn = early ? r->logged_lsn : UINT64_MAX;
        r->syncing_epoch = r->logged_epoch;
    }
}

/* The log's only answer to a failed write is to stop: all copies of the server do. */
static void log_failed(struct sim *s, struct sim_server *v, const char *why)
{
    for (unsigned i = 0; i < s->n_regions; i++)
        if (v->replicas[i].core)
            replica__fail(s, &v->replicas[i], why);
}

static bool sync_log(struct sim *s, struct sim_server *v)
{
    struct error *e = v->log_failed             ? error_new(E_IO, "the log could not be written")
                      : REPL_MUTATION(no_fsync) ? NULL
                                                : wal_sync(v->wal, UINT64_MAX);
    if (e && !v->dying)
        log_failed(s, v, e->message);
    bool ok = !e && !v->dying;
    v->log_failed |= !ok;
    error_free(e);
    for (unsigned i = 0; ok && i < s->n_regions; i++) {
        s->regions[i].dirty |= v->copies[i].ops.n > 0;
        if (!REPL_MUTATION(no_fsync))
            copy__synced(&v->copies[i]);
    }
    return ok;
}

void server__synced(struct sim *s, struct sim_server *v)
{
    v->sync_running = false;
    if (!sync_log(s, v))
        return;
    bool more = false;
    for (unsigned i = 0; i < s->n_regions; i++) {
        struct replica *r = &v->replicas[i];
        if (!r->core || !r->unsynced)
            continue;
        bool all = r->syncing_lsn == UINT64_MAX ||
                   (r->syncing_lsn == r->logged_lsn && r->syncing_epoch == r->logged_epoch);
        uint64_t lsn = all ? r->logged_lsn : r->syncing_lsn;
        uint64_t epoch = all ? r->logged_epoch : r->syncing_epoch;
        r->unsynced = !all;
        more |= !all;
        if (lsn)
            repl_durable(v->core, server__clock(s, v), r->core, lsn, epoch);
    }
    if (more)
        server__sync(s, v);
}

/* ---- the primary's batch ----------------------------------------------------------------------
 */

static void answer_all(struct replica *r, struct waiting *list, size_t *n, bool done)
{
    for (size_t i = 0; i < *n; i++) {
        if (done)
            check__acknowledge(r->sim, r, &list[i].request, list[i].lsn);
        client__reply(r->sim, &list[i].request, done, list[i].lsn);
    }
    *n = 0;
}

/* Was it applied already? Then its answer is the one of that time. */
static bool known(struct replica *r, const struct request *q)
{
    const struct applied_request *a = &r->batch_file.requests[q->client];
    return a->seq >= q->seq && !REPL_MUTATION(no_request_check);
}

static void execute(struct replica *r, const struct item *i, struct repl_entry *entry,
                    struct buf *bytes)
{
    bytes->len = 0;
    item__encode(r->sim, i, bytes);
    entry->data = bytes->data;
    entry->len = (uint32_t)bytes->len;
    file__apply(&r->batch_file, i);
}

struct batch {
    struct repl_entry entries[2 * MAX_WAITING];
    struct buf bytes[2 * MAX_WAITING];
    size_t n;
};

static void add_entry(struct replica *r, struct batch *b, struct item *i)
{
    i->lsn = r->batch_file.lsn + 1;
    execute(r, i, &b->entries[b->n], &b->bytes[b->n]);
    b->n++;
}

static void run_one(struct replica *r, struct batch *b, struct waiting *w)
{
    struct sim *s = r->sim;
    const struct request *q = &w->request;
    if (known(r, q)) {
        s->stats->duplicates++;
        w->lsn = 0; /* found when it is told: its value says where it is */
        return;
    }
    for (uint64_t n = sim__chance(s, s->knobs.burst); n && b->n < MAX_WAITING; n--) {
        struct item filler = {.value = ++s->next_value, .kind = ENTRY_FILLER};
        add_entry(r, b, &filler);
    }
    struct item i = {
        .value = q->value, .kind = ENTRY_WRITE, .client = q->client, .key = q->key, .seq = q->seq};
    add_entry(r, b, &i);
    w->lsn = i.lsn;
}

/* All that wait are one batch. */
static void lead_batch(struct sim *s, struct sim_server *v, struct replica *r)
{
    struct batch b = {0};
    uint64_t first = 0, before = r->batch_file.lsn;
    memcpy(r->batch, r->queue, sizeof(r->batch[0]) * r->n_queue);
    r->n_batch = r->n_queue;
    r->n_queue = 0;
    r->batch_file = copy_of(r)->file;
    before = r->batch_file.lsn;
    for (size_t i = 0; i < r->n_batch; i++)
        run_one(r, &b, &r->batch[i]);
    struct error *e =
        b.n ? repl_append(v->core, server__clock(s, v), r->core, b.entries, b.n, &first) : NULL;
    if (!e && b.n && first != before + 1)
        sim__fail(s, "s%u r%u is ready at %llu, and appends at %llu", v->id, r->region,
                  (unsigned long long)before, (unsigned long long)first);
    if (e) {
        answer_all(r, r->batch, &r->n_batch, false);
    } else if (!b.n) {
        answer_all(r, r->batch, &r->n_batch, true);
    } else {
        s->stats->appends += b.n;
        r->in_flight = true;
        r->batch_reign = r->reign;
        r->batch_last = first + b.n - 1;
        r->batch_epoch = r->logged_epoch;
        r->batch_file.epoch = r->logged_epoch;
    }
    error_free(e);
    for (size_t i = 0; i < ARRAY_LEN(b.bytes); i++)
        buf_done(&b.bytes[i]);
}

/* ---- applying ----------------------------------------------------------------------------------
 */

static bool apply_some(struct sim *s, struct sim_server *v, struct replica *r)
{
    enum { AT_ONCE = 64 };
    struct file *f = &copy_of(r)->file;
    struct wal_entry list[AT_ONCE];
    size_t n = 0;
    struct error *e = read_log(r, f->lsn + 1, SIZE_MAX, list, AT_ONCE, &n);
    if (!v->dying && (e || !n)) {
        replica__fail(s, r, e ? e->message : "the log does not hold what is to be applied");
        s->stats->disk_failures++;
    }
    bool ok = !e && n;
    error_free(e);
    for (size_t i = 0; ok && i < n && list[i].lsn <= r->committed; i++) {
        struct item item = item__decode(s, list[i].lsn, list[i].epoch, list[i].data, list[i].len);
        check__apply(s, r, &item);
        file__apply(f, &item);
    }
    return ok;
}

static void apply(struct sim *s, struct sim_server *v, struct replica *r)
{
    while (!r->failed && copy_of(r)->file.lsn < r->committed && apply_some(s, v, r)) {
    }
}

/* The batch's file is the file now. Its entries are applied one by one, so that they are checked.
 */
static void finish_batch(struct sim *s, struct sim_server *v, struct replica *r)
{
    struct file *f = &copy_of(r)->file;
    for (uint64_t lsn = f->lsn + 1; lsn <= r->batch_last; lsn++) {
        const struct item *i = items__get(&r->log, lsn);
        check__apply(s, r, i);
        file__apply(f, i);
    }
    if (f->hash != r->batch_file.hash)
        sim__fail(s, "s%u r%u: what was committed is not what was executed", v->id, r->region);
    r->in_flight = false;
    answer_all(r, r->batch, &r->n_batch, true);
}

static void tend_batch(struct sim *s, struct sim_server *v, struct replica *r)
{
    if (r->in_flight && r->reign != r->batch_reign) { /* unknown: they may still be committed */
        r->in_flight = false;
        answer_all(r, r->batch, &r->n_batch, false);
    }
    if (r->in_flight && (r->committed >= r->batch_last || REPL_MUTATION(answer_before_commit)))
        finish_batch(s, v, r);
    if (!r->in_flight && r->n_queue && r->ready)
        lead_batch(s, v, r);
    if (!r->ready)
        answer_all(r, r->queue, &r->n_queue, false);
}

/* Brings each replica to where it should be. */
void server__work(struct sim *s, struct sim_server *v)
{
    for (unsigned i = 0; i < s->n_regions && !v->dying; i++) {
        struct replica *r = &v->replicas[i];
        if (!r->core)
            continue;
        tend_batch(s, v, r);
        bool lazy = r->role != REPL_PRIMARY && sim__likely(s, 700);
        if (!r->in_flight && !lazy)
            apply(s, v, r);
        bool all = copy_of(r)->file.lsn >= r->committed;
        if (r->serving && !r->failed && !r->ready && !r->in_flight && all)
            r->ready = true;
    }
}

/* ---- requests ----------------------------------------------------------------------------------
 */

/* A read takes its time: the lease must hold at its end, too. */
static void begin_read(struct sim *s, struct sim_server *v, struct replica *r,
                       const struct request *q)
{
    struct event *e = event__new(EV_READ_DONE, v->id, r->region);
    e->request = *q;
    e->lsn = copy_of(r)->file.keys[q->key].lsn;
    e->number = copy_of(r)->file.keys[q->key].value;
    event__at_process(s, sim__chance(s, sim__likely(s, 50) ? 3000 * MS : 500), e);
}

static bool may_serve(struct sim *s, struct sim_server *v, const struct replica *r)
{
    return r->core && r->ready &&
           (repl_may_serve(r->core, server__clock(s, v)) || REPL_MUTATION(serve_without_lease));
}

void replica__read_done(struct sim *s, struct sim_server *v, const struct event *e)
{
    bool good = may_serve(s, v, &v->replicas[e->region]) || REPL_MUTATION(read_unchecked);
    struct request q = e->request;
    q.value = e->number;
    client__reply(s, &q, good, e->lsn);
}

void replica__request(struct sim *s, struct sim_server *v, const struct request *q)
{
    struct replica *r = &v->replicas[q->region];
    if (!may_serve(s, v, r) || r->n_queue == MAX_WAITING)
        client__reply(s, q, false, 0);
    else if (q->write)
        r->queue[r->n_queue++] = (struct waiting){.request = *q};
    else
        begin_read(s, v, r, q);
}

/* ---- opening, upkeep, closing -------------------------------------------------------------------
 */

/* A snapshot's installation was cut short: the log is of the history that it replaced. */
static void cut_log(struct sim *s, struct sim_server *v, struct replica *r)
{
    uint64_t position;
    struct op cut = {.cut = true};
    items__cut(&r->log, 0);
    note_failure(v, wal_truncate(v->wal, r->region, 0, &position));
    if (!v->log_failed)
        ops__add(&v->copies[r->region].ops, &cut);
    server__sync(s, v);
}

/* As region/ does when it opens a replica: what the file holds, and what the log has beyond it. */
void replica__open(struct sim *s, struct sim_server *v, unsigned region, bool damaged)
{
    struct replica *r = &v->replicas[region];
    struct copy *c = &v->copies[region];
    uint64_t first, last, epoch;
    if (v->log_failed && !REPL_MUTATION(failed_log_reopened))
        return;
    replica__forget(r);
    if (c->rotten || !c->exists) {
        damaged |= c->rotten;
        c->file = c->synced = (struct file){0};
    }
    c->exists = true;
    c->rotten = c->revived = v->lost[region] = false;
    c->synced = c->file; /* a checkpoint */
    wal_release(v->wal, region, c->file.lsn);
    wal_range(v->wal, region, &first, &last, &epoch);
    items__copy(&r->log, &c->log);
    if (first > last)
        items__cut(&r->log, 0);
    else if (last < c->file.lsn)
        cut_log(s, v, r);
    if (first > last || last < c->file.lsn) {
        last = c->file.lsn;
        epoch = c->file.epoch;
    } else if (first > c->file.lsn + 1) {
        damaged = true;
    }
    c->damaged = damaged || (c->damaged && !REPL_MUTATION(damage_forgotten));
    r->committed = c->file.lsn;
    TRACE(s, "s%u r%u opens: applied %llu, last %llu%s", v->id, region,
          (unsigned long long)c->file.lsn, (unsigned long long)last, c->damaged ? ", damaged" : "");
    r->core = repl_open(v->core, server__clock(s, v), region, r, last, epoch, c->file.lsn,
                        c->file.epoch, c->damaged);
    s->regions[region].dirty = true;
}

void replica__forget(struct replica *r)
{
    items__free(&r->log);
    *r = (struct replica){.sim = r->sim, .server = r->server, .region = r->region};
}

static void found_region(void *ctx, uint64_t region, uint64_t first, uint64_t last, uint64_t epoch)
{
    (void)first, (void)last, (void)epoch;
    ((bool *)ctx)[region] = true;
}

/* The log, judged against what must be in it; then every copy that the disk has. */
bool server__open(struct sim *s, struct sim_server *v)
{
    bool logged[MAX_REGIONS] = {0}, bad[MAX_REGIONS] = {0};
    _cleanup_(mem_freep) uint64_t *damaged = NULL;
    size_t n_damaged = 0;
    char path[16];
    snprintf(path, sizeof(path), "s%u/log", v->id);
    v->log_failed = false;
    struct error *e = wal_open(path, &s->wal, found_region, logged, &v->wal, &damaged, &n_damaged);
    if (e) {
        STORY(s, "s%u does not start: %s", v->id, e->message);
        error_free(e);
        return false;
    }
    for (size_t i = 0; i < n_damaged; i++)
        bad[damaged[i]] = true;
    for (unsigned i = 0; i < s->n_regions; i++) {
        bad[i] |= wal_is_damaged(v->wal) && !logged[i];
        if (bad[i])
            copy__lost_log(&v->copies[i]);
        else
            copy__recovered(s, v, i);
        if (v->copies[i].exists || logged[i] || bad[i])
            replica__open(s, v, i, bad[i]);
    }
    error_free(wal_settle(v->wal)); /* a log that can't be written says so to the next who tries */
    return true;
}

static void drop(struct sim *s, struct sim_server *v, struct replica *r)
{
    struct copy *c = &v->copies[r->region];
    uint64_t position;
    STORY(s, "s%u r%u deletes its data", v->id, r->region);
    repl_close(v->core, r->core);
    replica__forget(r);
    struct op cut = {.cut = true};
    struct error *e = wal_truncate(v->wal, r->region, 0, &position);
    if (!e)
        ops__add(&c->ops, &cut);
    error_free(e);
    c->exists = c->damaged = c->rotten = false;
    c->ghost = true;
    c->file = (struct file){0};
    s->regions[r->region].dirty = true;
}

/* A checkpoint, and what the log may forget by it. */
static void checkpoint(struct sim *s, struct sim_server *v, struct replica *r)
{
    struct copy *c = copy_of(r);
    uint64_t first, last, epoch;
    if (c->rotten) {
        replica__fail(s, r, "its file is damaged");
        return;
    }
    c->synced = c->file;
    wal_release(v->wal, r->region, REPL_MUTATION(release_too_much) ? r->logged_lsn : c->synced.lsn);
    wal_range(v->wal, r->region, &first, &last, &epoch);
    uint64_t gone = MIN(first > last ? last : first - 1, c->synced.lsn);
    items__forget(&c->log, gone);
    items__forget(&r->log, gone);
}

/* Files are written back, the log is recycled, data of regions that went elsewhere is deleted. */
void server__housekeeping(struct sim *s, struct sim_server *v)
{
    /* as a server does when its log grows */
    bool large = v->disk.names.n > DISK_NAMES / 2;
    for (unsigned i = 0; i < s->n_regions && !v->dying; i++) {
        struct replica *r = &v->replicas[i];
        v->copies[i].ghost = false;
        if (!r->core)
            continue;
        if (v->known[i].epoch && repl_may_drop(r->core) && sim__likely(s, 200))
            drop(s, v, r);
        else if (!r->failed && (large || sim__likely(s, s->knobs.forgets ? 500 : 30)))
            checkpoint(s, v, r);
    }
    while (!v->dying && !v->sync_running && sim__likely(s, 800) && wal_keep(v->wal)) {
    }
    bool left = false;
    for (unsigned i = 0; i < s->n_regions; i++)
        left |= v->copies[i].ops.n > 0;
    if (left && !v->dying)
        server__sync(s, v);
    event__at_process(s, sim__between(s, 50 * MS, 1 * SECOND),
                      event__new(EV_HOUSEKEEPING, v->id, 0));
}
