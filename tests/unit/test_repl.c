/* The replication core: each transition by itself, on servers whose clock, disks, links and store
 * the case holds in its hands. What they do together is the simulator's (tests/sim). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "repl/repl_int.h"

enum { REGION = 7, NODES = 3, LOG = 64, QUEUE = 512 };

struct node {
    struct world *w;
    repl_node id;
    bool up, disk_stuck;
    struct repl *core;
    struct repl_replica *p;
    uint64_t base, last, synced, applied, applied_epoch; /* the log holds base + 1 .. last */
    uint64_t epochs[LOG];
    char values[LOG];
    enum repl_role role;
    bool serving, proposes;
    struct repl_config current, next;
    int fetches;
    repl_node fetch_from;
};

struct letter {
    repl_node from, to;
    char bytes[2048];
    size_t len;
};

struct world {
    struct node n[NODES];
    uint64_t now, incarnation;
    struct repl_config config;
    bool store_away, keep_letters;
    struct letter queue[QUEUE];
    size_t n_queue;
};

/* ---- the world
 * ------------------------------------------------------------------------------------ */

static void on_send(void *ctx, repl_node to, bool urgent, const void *data, size_t len)
{
    struct node *n = ctx;
    struct world *w = n->w;
    (void)urgent;
    assert_true(w->n_queue < QUEUE && len <= sizeof(w->queue[0].bytes));
    struct letter *l = &w->queue[w->n_queue++];
    *l = (struct letter){.from = n->id, .to = to, .len = len};
    memcpy(l->bytes, data, len);
}

static void on_append(void *ctx, const struct repl_entry *entries, size_t count)
{
    struct node *n = ctx;
    for (size_t i = 0; i < count; i++) {
        assert_true(entries[i].lsn < LOG && entries[i].lsn > n->applied);
        n->last = entries[i].lsn;
        n->epochs[n->last] = entries[i].epoch;
        n->values[n->last] = entries[i].data[0];
    }
    n->synced = MIN(n->synced, entries[0].lsn - 1);
}

static void on_truncate(void *ctx, uint64_t lsn)
{
    struct node *n = ctx;
    assert_true(lsn >= n->applied);
    n->last = lsn;
}

static size_t on_read(void *ctx, uint64_t from, size_t max_bytes, struct repl_entry *ret,
                      size_t max_n)
{
    struct node *n = ctx;
    size_t count = 0;
    (void)max_bytes;
    for (uint64_t lsn = from; from > n->base && lsn <= n->last && count < max_n; lsn++)
        ret[count++] = (struct repl_entry){
            .lsn = lsn, .epoch = n->epochs[lsn], .data = &n->values[lsn], .len = 1};
    return count;
}

static uint64_t on_epoch_at(void *ctx, uint64_t lsn)
{
    struct node *n = ctx;
    if (lsn > n->base && lsn <= n->last)
        return n->epochs[lsn];
    return lsn == n->applied ? n->applied_epoch : 0;
}

static void on_commit(void *ctx, uint64_t lsn)
{
    struct node *n = ctx;
    assert_true(lsn > n->applied && lsn <= n->last);
    n->applied = lsn;
    n->applied_epoch = n->epochs[lsn];
}

static void on_propose(void *ctx, const struct repl_config *current, const struct repl_config *next)
{
    struct node *n = ctx;
    n->proposes = true;
    n->current = *current;
    n->next = *next;
}

static void on_role(void *ctx, enum repl_role role, bool serving, uint64_t epoch)
{
    struct node *n = ctx;
    (void)epoch;
    n->role = role;
    n->serving = serving;
}

static void on_fetch_snapshot(void *ctx, repl_node from)
{
    struct node *n = ctx;
    n->fetches++;
    n->fetch_from = from;
}

static void start(struct node *n, bool damaged)
{
    struct repl_io io = {.ctx = n,
                         .send = on_send,
                         .append = on_append,
                         .truncate = on_truncate,
                         .read = on_read,
                         .epoch_at = on_epoch_at,
                         .commit = on_commit,
                         .propose = on_propose,
                         .role = on_role,
                         .fetch_snapshot = on_fetch_snapshot};
    n->up = true;
    n->role = REPL_NONE;
    n->serving = n->proposes = false;
    n->last = n->synced;
    n->core = repl_new(&repl_defaults, &io, n->id, ++n->w->incarnation, n->w->now);
    n->p = repl_open(n->core, n->w->now, REGION, n, n->last, on_epoch_at(n, n->last), n->applied,
                     n->applied_epoch, damaged);
}

static void stop(struct node *n)
{
    repl_free(n->core);
    n->core = NULL;
    n->p = NULL;
    n->up = false;
}

static void restart(struct node *n, bool damaged)
{
    stop(n);
    start(n, damaged);
}

static void learn(struct node *n)
{
    repl_config_changed(n->core, n->w->now, n->p, &n->w->config);
}

/* The store takes what n proposes, or refuses it; everybody who is up learns of it at once. */
static void swap(struct node *n)
{
    struct world *w = n->w;
    assert_true(n->proposes);
    n->proposes = false;
    if (n->current.epoch != w->config.epoch) {
        repl_proposal_failed(n->core, w->now, n->p, n->next.epoch, false);
        return;
    }
    w->config = n->next;
    for (int i = 0; i < NODES; i++)
        if (w->n[i].up)
            learn(&w->n[i]);
}

static void deliver(struct world *w)
{
    for (size_t i = 0; i < w->n_queue && !w->keep_letters; i++) {
        struct letter l = w->queue[i];
        if (l.to < NODES && w->n[l.to].up)
            repl_receive(w->n[l.to].core, w->now, l.from, l.bytes, l.len);
    }
    if (!w->keep_letters)
        w->n_queue = 0;
}

static void sync_log(struct node *n)
{
    if (n->disk_stuck || n->synced == n->last)
        return;
    n->synced = n->last;
    repl_durable(n->core, n->w->now, n->p, n->last, on_epoch_at(n, n->last));
}

static void run(struct world *w, uint64_t ms)
{
    for (uint64_t end = w->now + ms; w->now < end;) {
        w->now += 10;
        for (int i = 0; i < NODES; i++)
            if (w->n[i].up)
                repl_tick(w->n[i].core, w->now);
        for (int i = 0; i < NODES; i++)
            if (w->n[i].up && w->n[i].proposes && !w->store_away)
                swap(&w->n[i]);
        deliver(w);
        for (int i = 0; i < NODES; i++)
            if (w->n[i].up)
                sync_log(&w->n[i]);
        deliver(w);
    }
}

static bool may_serve(const struct node *n)
{
    return n->up && repl_may_serve(n->p, n->w->now);
}

static struct error *append(struct node *n, char value)
{
    struct repl_entry e = {.data = &value, .len = 1};
    uint64_t first;
    return repl_append(n->core, n->w->now, n->p, &e, 1, &first);
}

static void ok(struct error *e)
{
    if (e)
        fail_msg("%s: %s", e->sqlstate, e->message);
}

static void fails(struct error *e, const char *sqlstate)
{
    assert_non_null(e);
    assert_string_equal(e->sqlstate, sqlstate);
    error_free(e);
}

/* Node 0 primary with `backups` of the next ones, serving. */
static struct world *world_with(uint32_t backups)
{
    struct world *w = NEW(struct world);
    w->now = 5000;
    w->config = (struct repl_config){.epoch = 1, .primary = 0, .n_backups = backups};
    for (uint32_t i = 0; i < backups; i++)
        w->config.backups[i] = i + 1;
    for (unsigned i = 0; i < NODES; i++) {
        w->n[i].w = w;
        w->n[i].id = i;
        start(&w->n[i], false);
        learn(&w->n[i]);
    }
    run(w, 500);
    assert_true(may_serve(&w->n[0]));
    return w;
}

static void world_free(struct world *w)
{
    for (int i = 0; i < NODES; i++)
        repl_free(w->n[i].core);
    mem_free(w);
}

static void same_logs(const struct node *a, const struct node *b, uint64_t up_to)
{
    assert_true(a->last >= up_to && b->last >= up_to);
    for (uint64_t lsn = MAX(a->base, b->base) + 1; lsn <= up_to; lsn++) {
        assert_int_equal(a->epochs[lsn], b->epochs[lsn]);
        assert_int_equal(a->values[lsn], b->values[lsn]);
    }
}

static void send_to(struct node *to, repl_node from, const struct message *m)
{
    _cleanup_(buf_done) struct buf b = {0};
    message_put(&b, m);
    repl_receive(to->core, to->w->now, from, b.data, b.len);
}

/* ---- committing
 * ------------------------------------------------------------------------------------ */

/* An entry commits when the primary's log and every backup's have it on disk, and not before. */
static void test_commit_waits_for_all(void **state)
{
    struct world *w = world_with(2);
    w->n[2].disk_stuck = true;
    ok(append(&w->n[0], 'a'));
    run(w, 100);
    assert_int_equal(w->n[0].applied, 0);
    w->n[2].disk_stuck = false;
    w->n[0].disk_stuck = true;
    ok(append(&w->n[0], 'b'));
    run(w, 100);
    assert_int_equal(w->n[0].applied, 1);
    w->n[0].disk_stuck = false;
    run(w, 100);
    assert_int_equal(w->n[0].applied, 2);
    assert_int_equal(w->n[2].applied, 2); /* and is told to the backups without another write */
    same_logs(&w->n[0], &w->n[2], 2);
    world_free(w);
}

/* A copy applies nothing that is not on its own disk yet, though it is on all that count: its file
 * must not be ahead of its log. */
static void test_applies_after_own_disk(void **state)
{
    struct world *w = world_with(1);
    w->n[2].disk_stuck = true;
    ok(repl_change(w->n[0].core, w->now, w->n[0].p, REPL_ADD_LEARNER, 2));
    ok(append(&w->n[0], 'a'));
    for (int i = 0; i < 50 && !w->n[2].last; i++)
        run(w, 10);
    struct message m = {.kind = MSG_PREPARE, /* as if commits had not waited for it */
                        .region = REGION,
                        .epoch = w->n[2].p->seen,
                        .config = w->config.epoch,
                        .stream = w->n[2].p->stream,
                        .prev_lsn = 1,
                        .prev_epoch = w->n[2].epochs[1],
                        .committed = 1};
    send_to(&w->n[2], 0, &m);
    assert_int_equal(w->n[2].last, 1);
    assert_int_equal(w->n[2].applied, 0);
    w->n[2].disk_stuck = false;
    run(w, 20);
    assert_int_equal(w->n[2].applied, 1);
    world_free(w);
}

/* Only a serving primary takes writes. */
static void test_not_primary(void **state)
{
    struct world *w = world_with(1);
    fails(append(&w->n[1], 'a'), "MS001");
    fails(append(&w->n[2], 'a'), "MS001");
    fails(repl_change(w->n[1].core, w->now, w->n[1].p, REPL_REMOVE, 0), "MS001");
    world_free(w);
}

/* ---- restarts, takeovers, leases
 * ------------------------------------------------------------------- */

/* A restarted primary raises the epoch before it serves, so that its lost tail's names are not used
 * again. */
static void test_restart_raises_epoch(void **state)
{
    struct world *w = world_with(1);
    ok(append(&w->n[0], 'a'));
    run(w, 50);
    uint64_t epoch = w->config.epoch;
    w->store_away = true;
    restart(&w->n[0], false);
    learn(&w->n[0]);
    run(w, 300);
    assert_int_equal(w->n[0].role, REPL_PRIMARY);
    assert_false(may_serve(&w->n[0]));
    fails(append(&w->n[0], 'x'), "MS001");
    w->store_away = false;
    run(w, 500);
    assert_int_equal(w->config.epoch, epoch + 1);
    assert_true(may_serve(&w->n[0]));
    ok(append(&w->n[0], 'b'));
    assert_int_equal(w->n[0].epochs[2], epoch + 1);
    world_free(w);
}

/* A backup takes over when the primary was silent for the grace period, not sooner, and then has
 * everything that was acknowledged. */
static void test_takeover(void **state)
{
    struct world *w = world_with(1);
    ok(append(&w->n[0], 'a'));
    run(w, 50);
    assert_int_equal(w->n[0].applied, 1);
    stop(&w->n[0]);
    w->store_away = true;
    run(w, repl_defaults.grace_ms - repl_defaults.beacon_ms - 20);
    assert_false(w->n[1].proposes);
    run(w, repl_defaults.beacon_ms + 50);
    assert_true(w->n[1].proposes);
    assert_false(may_serve(&w->n[1]));
    assert_int_equal(w->n[1].next.primary, 1);
    assert_int_equal(w->n[1].next.n_backups, 0);
    w->store_away = false;
    run(w, 50);
    assert_true(may_serve(&w->n[1]));
    assert_int_equal(w->n[1].applied, 1);
    world_free(w);
}

/* A backup that started a moment ago gives the primary the grace period first. */
static void test_no_takeover_after_start(void **state)
{
    struct world *w = world_with(1);
    run(w, 5000);
    stop(&w->n[0]);
    restart(&w->n[1], false);
    learn(&w->n[1]);
    run(w, repl_defaults.grace_ms - 20);
    assert_int_equal(w->config.primary, 0);
    run(w, 100);
    assert_int_equal(w->config.primary, 1);
    world_free(w);
}

/* A backup whose clock leaps, or which did not run, does not take the primary for silent. */
static void test_clock_leaps(void **state)
{
    struct world *w = world_with(1);
    repl_tick(w->n[1].core, w->now + 5000);
    assert_false(w->n[1].proposes);
    repl_tick(w->n[1].core, w->now + 5000 + repl_defaults.grace_ms / 2);
    assert_false(w->n[1].proposes);
    for (uint64_t ms = 0; ms <= repl_defaults.grace_ms && !w->n[1].proposes; ms += 50)
        repl_tick(w->n[1].core, w->now + 6000 + ms);
    assert_true(w->n[1].proposes); /* nothing was heard all the while */
    world_free(w);
}

/* A backup that restarts learns what is committed, though nobody writes. */
static void test_restarted_backup_catches_up(void **state)
{
    struct world *w = world_with(1);
    w->n[1].disk_stuck = true; /* so that it does not get to apply it */
    ok(append(&w->n[0], 'a'));
    run(w, 20);
    w->n[1].synced = w->n[1].last; /* on disk, and told: */
    repl_durable(w->n[1].core, w->now, w->n[1].p, 1, w->n[1].epochs[1]);
    run(w, 500);
    assert_int_equal(w->n[0].applied, 1);
    w->n[1].applied = 0; /* as a crash may leave the file */
    restart(&w->n[1], false);
    learn(&w->n[1]);
    run(w, 1000);
    assert_int_equal(w->config.n_backups, 1);
    assert_int_equal(w->n[1].applied, 1);
    world_free(w);
}

/* A primary stops serving when a backup's lease ran out, drops it by a swap, and goes on alone. */
static void test_lease_expires(void **state)
{
    struct world *w = world_with(1);
    stop(&w->n[1]);
    w->store_away = true;
    run(w, repl_defaults.lease_ms - repl_defaults.beacon_ms - 20);
    assert_true(may_serve(&w->n[0]));
    run(w, repl_defaults.beacon_ms + 20);
    assert_false(may_serve(&w->n[0]));
    run(w, 100);
    assert_true(w->n[0].proposes);
    assert_false(may_serve(&w->n[0]));
    ok(append(&w->n[0], 'a'));
    run(w, 50);
    assert_int_equal(w->n[0].applied, 0);
    w->store_away = false;
    run(w, 50);
    assert_int_equal(w->config.n_backups, 0);
    assert_true(may_serve(&w->n[0]));
    assert_int_equal(w->n[0].applied, 1);
    world_free(w);
}

/* The lease counts from when the beacon was sent, however late the answer comes. */
static void test_lease_counts_from_sending(void **state)
{
    struct world *w = world_with(1);
    run(w, 190);
    w->keep_letters = true;
    run(w, repl_defaults.beacon_ms); /* a beacon is on its way */
    uint64_t sent_by = w->now;
    run(w, 700);
    w->keep_letters = false;
    deliver(w);
    deliver(w);
    for (int i = 1; i < NODES; i++)
        stop(&w->n[i]);
    w->store_away = true;
    w->now = sent_by + repl_defaults.lease_ms + 700;
    assert_false(may_serve(&w->n[0]));
    world_free(w);
}

/* A refusal after an attempt without an answer is no proof that the swap did not happen: the backup
 * that it drops or adds is still counted as before. */
static void test_refused_after_unknown(void **state)
{
    struct world *w = world_with(1);
    w->store_away = true;
    ok(repl_change(w->n[0].core, w->now, w->n[0].p, REPL_ADD_LEARNER, 2));
    w->config = w->n[0].next; /* it came through; nobody was told */
    repl_proposal_failed(w->n[0].core, w->now, w->n[0].p, w->config.epoch, true);
    w->n[0].proposes = false;
    run(w, repl_defaults.retry_ms + 20);
    assert_true(w->n[0].proposes);
    repl_proposal_failed(w->n[0].core, w->now, w->n[0].p, w->config.epoch, false);
    fails(repl_change(w->n[0].core, w->now, w->n[0].p, REPL_REMOVE, 1), "55006");
    learn(&w->n[0]);
    ok(repl_change(w->n[0].core, w->now, w->n[0].p, REPL_REMOVE, 1));
    world_free(w);
}

/* A takeover proposed before a restart may come through afterwards, while the old primary holds a
 * lease that the restarted server granted it: it waits for that to run out. */
static void test_waits_for_leases_it_granted(void **state)
{
    struct world *w = world_with(1);
    restart(&w->n[1], false);
    learn(&w->n[1]);
    run(w, 1000);
    assert_true(may_serve(&w->n[0]));
    w->config = (struct repl_config){.epoch = w->config.epoch + 1, .primary = 1};
    learn(&w->n[1]); /* node 0 is slow to learn it, and cut off */
    assert_true(may_serve(&w->n[0]));
    assert_false(may_serve(&w->n[1]));
    w->keep_letters = true;
    for (int i = 0; i < 200 && !may_serve(&w->n[1]); i++) {
        run(w, 10);
        assert_false(may_serve(&w->n[0]) && may_serve(&w->n[1]));
    }
    assert_true(may_serve(&w->n[1]));
    world_free(w);
}

/* ---- logs that differ
 * ------------------------------------------------------------------------------ */

/* What a former primary wrote and nobody else has gives way to what its successor wrote. */
static void test_divergence(void **state)
{
    struct world *w = world_with(1);
    ok(append(&w->n[0], 'a'));
    run(w, 50);
    stop(&w->n[1]);
    ok(append(&w->n[0], 'x'));
    ok(append(&w->n[0], 'y'));
    sync_log(&w->n[0]);
    stop(&w->n[0]);
    w->n_queue = 0; /* they never got anywhere */
    start(&w->n[1], false);
    learn(&w->n[1]);
    run(w, 1500);
    assert_true(may_serve(&w->n[1]));
    ok(append(&w->n[1], 'b'));
    run(w, 50);
    start(&w->n[0], false);
    learn(&w->n[0]);
    assert_int_equal(w->n[0].last, 3);
    ok(repl_change(w->n[1].core, w->now, w->n[1].p, REPL_ADD_LEARNER, 0));
    run(w, 1000);
    assert_int_equal(w->n[0].role, REPL_BACKUP);
    assert_int_equal(w->n[0].applied, 2);
    assert_int_equal(w->n[0].values[2], 'b');
    same_logs(&w->n[0], &w->n[1], 2);
    world_free(w);
}

/* Messages of a former primary, and of a former membership under the same primary, are not heeded.
 */
static void test_old_messages(void **state)
{
    struct world *w = world_with(1);
    ok(append(&w->n[0], 'a'));
    run(w, 50);
    struct message m = {.kind = MSG_PREPARE,
                        .region = REGION,
                        .epoch = 1, /* a reign of before */
                        .config = 1,
                        .stream = 1,
                        .prev_lsn = 1,
                        .prev_epoch = 1,
                        .committed = 1};
    send_to(&w->n[1], 0, &m);
    assert_int_equal(w->n_queue, 0);
    m.epoch = m.config = w->config.epoch;
    m.prev_epoch = w->n[1].epochs[1];
    m.stream = w->n[1].p->stream - 1;
    send_to(&w->n[1], 0, &m);
    assert_int_equal(w->n_queue, 0);
    m.stream = w->n[1].p->stream;
    send_to(&w->n[1], 0, &m);
    assert_int_equal(w->n_queue, 1);
    world_free(w);
}

/* ---- joining
 * --------------------------------------------------------------------------------------- */

/* A learner gets the log from its beginning while that is there, and becomes a backup. */
static void test_learner_by_tail(void **state)
{
    struct world *w = world_with(1);
    for (char c = 'a'; c < 'k'; c++)
        ok(append(&w->n[0], c));
    run(w, 50);
    ok(repl_change(w->n[0].core, w->now, w->n[0].p, REPL_ADD_LEARNER, 2));
    run(w, 1000);
    assert_int_equal(w->n[2].role, REPL_BACKUP);
    assert_int_equal(w->n[2].fetches, 0);
    assert_int_equal(w->config.n_backups, 2);
    assert_int_equal(w->config.n_learners, 0);
    assert_int_equal(w->n[2].applied, 10);
    same_logs(&w->n[0], &w->n[2], 10);
    world_free(w);
}

static void install_snapshot(struct node *n, const struct node *from)
{
    n->base = n->last = n->synced = n->applied = from->applied;
    n->applied_epoch = from->applied_epoch;
    repl_snapshot_done(n->core, n->w->now, n->p, true, n->applied, n->applied_epoch);
}

static struct world *world_with_short_log(void)
{
    struct world *w = world_with(1);
    for (char c = 'a'; c < 'k'; c++)
        ok(append(&w->n[0], c));
    run(w, 50);
    w->n[0].base = 5;
    ok(repl_change(w->n[0].core, w->now, w->n[0].p, REPL_ADD_LEARNER, 2));
    run(w, 200);
    assert_true(w->n[2].fetches > 0);
    return w;
}

/* A learner that the log does not reach back to fetches a snapshot, then the rest. */
static void test_learner_by_snapshot(void **state)
{
    struct world *w = world_with_short_log();
    assert_int_equal(w->n[2].fetch_from, 0);
    repl_snapshot_done(w->n[2].core, w->now, w->n[2].p, false, 0, 0);
    int fetches = w->n[2].fetches;
    run(w, 1000);
    assert_true(w->n[2].fetches > fetches); /* asked for again */
    ok(append(&w->n[0], 'z'));
    install_snapshot(&w->n[2], &w->n[0]);
    assert_int_equal(w->n[2].applied, 10);
    run(w, 1000);
    assert_int_equal(w->n[2].role, REPL_BACKUP);
    assert_int_equal(w->n[2].applied, 11);
    assert_int_equal(w->n[2].values[11], 'z');
    world_free(w);
}

/* While it fetches, a learner takes nothing that the snapshot may not hold; once it has what was
 * missing, a late request to fetch is answered, not followed. */
static void test_stale_need_snapshot(void **state)
{
    struct world *w = world_with_short_log();
    ok(append(&w->n[0], 'z'));
    run(w, 100);
    assert_int_equal(w->n[2].last, 0);
    install_snapshot(&w->n[2], &w->n[0]);
    run(w, 1000);
    int fetches = w->n[2].fetches;
    struct message m = {.kind = MSG_NEED_SNAPSHOT,
                        .region = REGION,
                        .epoch = w->n[2].p->seen,
                        .config = w->config.epoch,
                        .stream = w->n[2].p->stream,
                        .lsn = 1};
    send_to(&w->n[2], 0, &m);
    assert_int_equal(w->n[2].fetches, fetches);
    assert_int_equal(w->n_queue, 1); /* "I have it" */
    run(w, 1000);
    assert_int_equal(w->n[2].role, REPL_BACKUP);
    world_free(w);
}

/* A replica that acted for a primary under a config that it does not know yet must not be deleted
 * because of an older one without it. */
static void test_may_drop(void **state)
{
    struct world *w = world_with(1);
    ok(append(&w->n[0], 'a'));
    run(w, 50);
    struct repl_config without = w->config;
    without.epoch++;
    without.n_backups = 0;
    struct message m = {.kind = MSG_PREPARE,
                        .region = REGION,
                        .epoch = w->n[1].p->seen,
                        .config = without.epoch + 1, /* .. and in the next it is back */
                        .stream = w->n[1].p->stream,
                        .prev_lsn = 1,
                        .prev_epoch = w->n[1].epochs[1],
                        .committed = 1};
    send_to(&w->n[1], 0, &m);
    repl_config_changed(w->n[1].core, w->now, w->n[1].p, &without);
    assert_int_equal(w->n[1].role, REPL_NONE);
    assert_false(repl_may_drop(w->n[1].p));
    without.epoch += 2;
    repl_config_changed(w->n[1].core, w->now, w->n[1].p, &without);
    assert_true(repl_may_drop(w->n[1].p));
    world_free(w);
}

/* ---- handing over
 * ---------------------------------------------------------------------------------- */

/* A transfer stops writes, lets the target catch up, and makes it the primary; both copies stay. */
static void test_transfer(void **state)
{
    struct world *w = world_with(1);
    ok(append(&w->n[0], 'a'));
    ok(repl_change(w->n[0].core, w->now, w->n[0].p, REPL_TRANSFER, 1));
    fails(append(&w->n[0], 'b'), "MS001");
    run(w, 1000);
    assert_int_equal(w->config.primary, 1);
    assert_int_equal(w->config.backups[0], 0);
    assert_true(may_serve(&w->n[1]));
    assert_false(may_serve(&w->n[0]));
    ok(append(&w->n[1], 'b'));
    run(w, 50);
    assert_int_equal(w->n[0].applied, 2);
    world_free(w);
}

/* A transfer to a server that is no backup is refused; one that does not get done is given up. */
static void test_transfer_fails(void **state)
{
    struct world *w = world_with(1);
    fails(repl_change(w->n[0].core, w->now, w->n[0].p, REPL_TRANSFER, 2), "55000");
    w->n[1].disk_stuck = true;
    ok(append(&w->n[0], 'a'));
    ok(repl_change(w->n[0].core, w->now, w->n[0].p, REPL_TRANSFER, 1));
    run(w, 3000);
    assert_int_equal(w->config.primary, 0);
    assert_true(may_serve(&w->n[0]));
    ok(append(&w->n[0], 'b'));
    world_free(w);
}

/* A primary whose disk fails makes a backup the primary; a backup whose disk fails is let go. */
static void test_disk_fails(void **state)
{
    struct world *w = world_with(2);
    w->n[1].disk_stuck = true;
    repl_failed(w->n[1].core, w->now, w->n[1].p);
    ok(append(&w->n[0], 'a'));
    run(w, 1000);
    assert_int_equal(w->config.n_backups, 1);
    assert_int_equal(w->config.backups[0], 2);
    assert_int_equal(w->n[0].applied, 1);
    w->n[0].disk_stuck = true;
    repl_failed(w->n[0].core, w->now, w->n[0].p);
    assert_false(may_serve(&w->n[0]));
    run(w, 2000);
    assert_int_equal(w->config.primary, 2);
    assert_true(may_serve(&w->n[2]));
    assert_int_equal(w->n[2].applied, 1);
    world_free(w);
}

/* A damaged copy neither takes over nor counts: it leaves the config, and comes back as a learner
 * by a snapshot; a damaged learner, which may be about to be a backup, too. */
static void test_damaged(void **state)
{
    struct world *w = world_with(1);
    ok(append(&w->n[0], 'a'));
    run(w, 50);
    w->n[1].last = w->n[1].synced = w->n[1].applied = 0;
    restart(&w->n[1], true);
    learn(&w->n[1]);
    run(w, 2000);
    assert_int_equal(w->n[1].role, REPL_NONE);
    assert_int_equal(w->n[1].fetches, 0);
    ok(repl_change(w->n[0].core, w->now, w->n[0].p, REPL_ADD_LEARNER, 1));
    run(w, 100);
    assert_int_equal(w->n[1].role, REPL_LEARNER);
    assert_true(w->n[1].fetches > 0);
    restart(&w->n[1], true);
    learn(&w->n[1]);
    run(w, 2000);
    assert_int_equal(w->config.n_learners, 0);
    ok(repl_change(w->n[0].core, w->now, w->n[0].p, REPL_ADD_LEARNER, 1));
    run(w, 100);
    install_snapshot(&w->n[1], &w->n[0]);
    run(w, 1000);
    assert_int_equal(w->n[1].role, REPL_BACKUP);
    world_free(w);
}

/* A region that was dropped has no primary any more. */
static void test_region_dropped(void **state)
{
    struct world *w = world_with(1);
    w->config = (struct repl_config){.epoch = 0};
    learn(&w->n[0]);
    learn(&w->n[1]);
    assert_int_equal(w->n[0].role, REPL_NONE);
    assert_false(may_serve(&w->n[0]));
    fails(append(&w->n[0], 'a'), "MS001");
    stop(&w->n[0]);
    run(w, 3000);
    assert_false(w->n[1].proposes);
    world_free(w);
}

/* ---- garbage
 * ----------------------------------------------------------------------------------------- */

/* Bytes that are no message change nothing; nor does any cut of a real one. */
static void test_garbage(void **state)
{
    struct world *w = world_with(1);
    ok(append(&w->n[0], 'a'));
    assert_true(w->n_queue > 0);
    struct letter real = w->queue[0];
    w->n_queue = 0;
    uint64_t garbage = w->n[1].core->garbage;
    for (size_t len = 0; len < real.len; len++) {
        char *exact = mem_alloc(len + 1);
        memcpy(exact, real.bytes, len);
        repl_receive(w->n[1].core, w->now, 0, exact, len);
        mem_free(exact);
    }
    assert_int_equal(w->n[1].core->garbage, garbage + real.len);
    assert_int_equal(w->n[1].last, 0);
    struct rng r;
    rng_seed(&r, 1);
    for (int i = 0; i < 20000; i++) {
        char bytes[64];
        size_t len = (size_t)rng_below(&r, sizeof(bytes));
        for (size_t j = 0; j < len; j++)
            bytes[j] = (char)rng_next(&r);
        repl_receive(w->n[1].core, w->now, (repl_node)rng_below(&r, 100), bytes, len);
    }
    w->n_queue = 0;
    assert_int_equal(w->n[1].last, 0);
    repl_receive(w->n[1].core, w->now, 0, real.bytes, real.len);
    assert_int_equal(w->n[1].last, 1);
    world_free(w);
}

/* The status says what a replica is, how far it is, and how far the others are. */
static void test_status(void **state)
{
    struct world *w = world_with(1);
    ok(append(&w->n[0], 'a'));
    run(w, 50);
    struct repl_status s;
    repl_get_status(w->n[0].core, w->n[0].p, &s);
    assert_int_equal(s.role, REPL_PRIMARY);
    assert_true(s.serving);
    assert_int_equal(s.last_lsn, 1);
    assert_int_equal(s.committed_lsn, 1);
    assert_int_equal(s.n_peers, 1);
    assert_int_equal(s.peers[0].node, 1);
    assert_int_equal(s.peers[0].durable_lsn, 1);
    assert_true(repl_silence(w->n[1].core, 0, w->now) <= repl_defaults.beacon_ms);
    assert_true(repl_silence(w->n[1].core, 2, w->now) == UINT64_MAX);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commit_waits_for_all),
        cmocka_unit_test(test_applies_after_own_disk),
        cmocka_unit_test(test_not_primary),
        cmocka_unit_test(test_restart_raises_epoch),
        cmocka_unit_test(test_takeover),
        cmocka_unit_test(test_no_takeover_after_start),
        cmocka_unit_test(test_clock_leaps),
        cmocka_unit_test(test_restarted_backup_catches_up),
        cmocka_unit_test(test_lease_expires),
        cmocka_unit_test(test_lease_counts_from_sending),
        cmocka_unit_test(test_refused_after_unknown),
        cmocka_unit_test(test_waits_for_leases_it_granted),
        cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_old_messages),
        cmocka_unit_test(test_learner_by_tail),
        cmocka_unit_test(test_learner_by_snapshot),
        cmocka_unit_test(test_stale_need_snapshot),
        cmocka_unit_test(test_may_drop),
        cmocka_unit_test(test_transfer),
        cmocka_unit_test(test_transfer_fails),
        cmocka_unit_test(test_disk_fails),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_region_dropped),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
