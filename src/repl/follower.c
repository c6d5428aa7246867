/*
 * Backups and learners: take what the primary sends, say when it is on disk, and, a backup, take
 * over when the primary is silent.
 *
 * Up to `match` the log is known to be the leader's own; only that is acknowledged, and only once
 * it is durable. A tail beyond it may be a former primary's, never committed; it stays until the
 * leader's entries contradict it (or this replica becomes primary, and commits it).
 */
#include "repl/repl_int.h"

enum { WALK_BACK = 1000 };

static void send_ack(struct repl_replica *p, enum ack_status status, uint64_t lsn)
{
    struct message m = {.kind = MSG_PREPARE_ACK,
                        .region = p->region,
                        .epoch = p->seen,
                        .stream = p->stream,
                        .status = status,
                        .lsn = lsn,
                        .committed = p->committed};
    message_put(&p->repl->out, &m);
    repl__send(p->repl, p->leader, false);
}

static bool unfit(const struct repl_replica *p)
{
    return p->damaged || p->failed;
}

/* A learner may have been promised to be made a backup, on what it had on disk then. */
static bool must_leave(const struct repl_replica *p)
{
    return p->failed || (p->damaged && (p->role == REPL_BACKUP ||
                                        (!p->excused && !REPL_MUTATION(learner_stays))));
}

/* False: an old reign's message, or one of before we were let go and asked back in this reign. A
 * new reign starts from what is surely common. */
static bool follow(struct repl_replica *p, repl_node from, const struct message *m)
{
    if (p->last_epoch > p->seen) { /* as a snapshot tells */
        p->seen = p->last_epoch;
        p->following = false;
    }
    if ((m->epoch < p->seen && !REPL_MUTATION(no_epoch_check)) || p->role == REPL_PRIMARY ||
        p->role == REPL_NONE)
        return false;
    bool same = p->following && m->epoch == p->seen && p->leader == from;
    if (same && (int32_t)(m->stream - p->stream) < 0 && !REPL_MUTATION(any_stream))
        return false;
    if (!same || p->stream != m->stream)
        p->match = p->committed;
    p->following = true;
    p->member_since = MAX(p->member_since, m->config);
    p->seen = m->epoch;
    p->leader = from;
    p->stream = m->stream;
    return true;
}

/* Where the leader should try next: before the run of entries that bear the wrong epoch. */
static uint64_t back_from(struct repl_replica *p, uint64_t lsn)
{
    uint64_t wrong = repl__epoch_at(p, lsn), at = lsn, common = MAX(p->committed, p->match);
    for (int i = 0; i < WALK_BACK && at > common && repl__epoch_at(p, at) == wrong; i++)
        at--;
    return at;
}

static bool matches(struct repl_replica *p, const struct message *m, uint64_t *ret_hint)
{
    if (m->prev_lsn <= MAX(p->committed, p->match))
        return true;
    if (m->prev_lsn > p->last_lsn) {
        *ret_hint = p->last_lsn;
        return false;
    }
    if (repl__epoch_at(p, m->prev_lsn) == m->prev_epoch || REPL_MUTATION(match_any))
        return true;
    *ret_hint = back_from(p, m->prev_lsn);
    return false;
}

/* Appends those entries that the log lacks. False: they contradict what is committed here. */
static bool take_entries(struct repl_replica *p, struct message *m)
{
    _cleanup_(mem_freep) struct repl_entry *fresh = mem_alloc((m->n + 1) * sizeof(*fresh));
    size_t n = 0;
    struct repl_entry e;
    for (uint32_t i = 0; i < m->n && message_next_entry(&m->list, &e); i++) {
        if (!n && e.lsn <= p->last_lsn) {
            uint64_t epoch = repl__epoch_at(p, e.lsn);
            if (epoch == e.epoch || REPL_MUTATION(keep_tail) || (e.lsn <= p->committed && !epoch))
                continue; /* have it; or had it, before the log was trimmed */
            if (e.lsn <= p->committed)
                return false;
        }
        fresh[n++] = e;
    }
    if (n)
        repl__append(p, fresh, n);
    return true;
}

static void report(struct repl_replica *p)
{
    if (p->ack_due && (p->durable >= p->match || REPL_MUTATION(ack_before_durable))) {
        p->ack_due = false;
        send_ack(p, ACK_OK, p->match);
    }
}

/* Not before it is on our own disk, though it is on others': after a crash the file would be ahead
 * of the log, and what is left there of an older history would seem to follow it. */
static void commit_what_is_durable(struct repl_replica *p)
{
    repl__commit(p, MIN(p->told, MIN(p->match, p->durable)));
}

void follower__durable(struct repl_replica *p)
{
    if (!unfit(p))
        commit_what_is_durable(p);
    if (p->role != REPL_PRIMARY && p->ack_due && !unfit(p))
        send_ack(p, ACK_OK, MIN(p->match, p->durable));
    p->ack_due = p->ack_due && p->durable < p->match;
}

void follower__prepare(struct repl_replica *p, repl_node from, struct message *m)
{
    if (!follow(p, from, m))
        return;
    if (unfit(p)) {
        if (must_leave(p))
            send_ack(p, ACK_FAILED, 0);
        repl__activate(p);
        return;
    }
    if (p->fetching && !REPL_MUTATION(snapshot_takes_back))
        return; /* what is taken now, and acknowledged, the snapshot may not hold */
    uint64_t hint;
    if (!matches(p, m, &hint)) {
        send_ack(p, ACK_REJECT, hint);
        return;
    }
    if (!take_entries(p, m)) {
        p->damaged = true;
        p->excused = false;
        send_ack(p, ACK_FAILED, 0);
        repl__activate(p);
        return;
    }
    p->match = MAX(p->match, m->prev_lsn + m->n);
    p->told = MAX(p->told, MIN(m->committed, p->match));
    commit_what_is_durable(p);
    if (m->n || p->durable >= p->match || REPL_MUTATION(ack_before_durable)) {
        p->ack_due = true;
        report(p);
    }
    p->ack_due |= p->durable < p->match;
}

static void fetch(struct repl_replica *p)
{
    p->fetching = true;
    p->told_at = p->repl->now;
    repl__activate(p);
    p->repl->io.fetch_snapshot(p->ctx, p->leader);
}

/* The primary's log begins behind m->lsn, and so its file holds that. Whoever has it has moved on
 * since this was sent; everybody else has acknowledged less than the snapshot will hold, so it
 * takes nothing back. */
void follower__need_snapshot(struct repl_replica *p, repl_node from, const struct message *m)
{
    if (!follow(p, from, m) || p->failed)
        return;
    if (!p->damaged && p->match >= m->lsn && !REPL_MUTATION(snapshot_takes_back)) {
        p->ack_due = true;
        report(p);
        return;
    }
    if (p->role == REPL_BACKUP ||
        must_leave(p)) { /* a backup that lacks what is committed is none */
        send_ack(p, ACK_FAILED, 0);
        return;
    }
    fetch(p);
}

void repl_snapshot_done(struct repl *r, uint64_t now, struct repl_replica *p, bool ok, uint64_t lsn,
                        uint64_t epoch)
{
    repl__advance(r, now);
    repl__activate(p);
    p->fetching = false;
    if (!ok)
        return;
    p->last_lsn = p->durable = p->committed = p->match = lsn;
    p->last_epoch = epoch;
    p->ack_due = false;
    p->damaged = p->role == REPL_PRIMARY || p->role == REPL_BACKUP; /* never asked for one */
    p->excused = false;
    if (p->seen && !p->damaged)
        send_ack(p, ACK_OK, lsn);
}

/* ---- ticks
 * ------------------------------------------------------------------------------------------------
 */

static void take_over(struct repl_replica *p)
{
    struct repl *r = p->repl;
    struct repl_config next = p->config;
    next.epoch++;
    next.primary = r->self;
    for (uint32_t i = 0; i < next.n_backups; i++)
        if (next.backups[i] == r->self)
            next.backups[i--] = next.backups[--next.n_backups];
    repl__propose(p, &next);
    repl__ungrant(r, p->config.primary); /* no more leases to it, from before this can happen */
}

void follower__tick(struct repl_replica *p)
{
    struct repl *r = p->repl;
    if (p->role != REPL_BACKUP && p->role != REPL_LEARNER)
        return;
    if (unfit(p)) {
        repl__activate(p);
        if (r->now < p->told_at + r->options.retry_ms)
            return;
        p->told_at = r->now;
        p->leader = p->config.primary;
        if (must_leave(p))
            send_ack(p, ACK_FAILED, 0);
        else
            fetch(p);
        return;
    }
    if (p->role == REPL_LEARNER && p->fetching) {
        repl__activate(p);
        if (r->now >= p->told_at + r->options.retry_ms)
            fetch(p);
    }
    if (p->role != REPL_BACKUP && !REPL_MUTATION(stranger_takes_over))
        return;
    const struct node_state *n = &r->nodes[p->config.primary];
    if (r->now > n->heard + repl__grace(r)) {
        repl__activate(p);
        if (!p->proposing && r->now > p->learned_at + repl__grace(r))
            take_over(p);
    }
}
