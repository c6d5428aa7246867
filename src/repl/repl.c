/*
 * The replication core: its interface, the links between servers, and configs.
 *
 * A replica's life:
 *
 *   NONE --config names it learner--> LEARNER --promoted by a config--> BACKUP
 *     ^                                                                  |  repl__propose(itself)
 * after grace (follower__tick), |  repl_config_changed without it |  or the primary's transfer
 *     +------------------------------------------------------------------v
 *   PRIMARY, must_bump --own config with epoch + 1--> PRIMARY, recovering --committed reaches
 * start--> PRIMARY, serving ^                                               (primary__start)
 * (primary__try_commit) |  opened as primary, or primary__lose_reign
 *
 * A reign begins with a config change that this process saw happen and that made it primary (or its
 * bump). Its epoch names the entries made in it and every message of it; configs that change
 * backups and learners within it leave it alone. So followers need only compare reigns, and
 * acknowledgements count for as long as the reign lasts.
 *
 * Leases are granted by link: acknowledging a beacon sent at T promises not to take over any region
 * from the sender before (our time of hearing it) + grace, which is later than T + lease. That
 * promise is about all regions of the sender at once, so a server that is about to take one over
 * (or has, or knows of somebody who has) stops acknowledging until the other has seen the list of
 * what it knows (CLAIMS) and has given up what the list denies it. A server that restarted has
 * forgotten whom it told, so it starts ungranted with everybody.
 */
#include "repl/repl_int.h"

const struct repl_options repl_defaults = {.beacon_ms = 200,
                                           .lease_ms = 1000,
                                           .grace_ms = 1200,
                                           .retry_ms = 500,
                                           .window_bytes = 8 * 1024 * 1024,
                                           .batch_bytes = 1024 * 1024};

/* ---- small things -------------------------------------------------------------------------------
 */

bool repl__in(const repl_node *nodes, uint32_t n, repl_node node)
{
    for (uint32_t i = 0; i < n; i++)
        if (nodes[i] == node)
            return true;
    return false;
}

uint64_t repl__grace(const struct repl *r)
{
    return REPL_MUTATION(no_grace) ? 2 * r->options.beacon_ms : r->options.grace_ms;
}

void repl__activate(struct repl_replica *p)
{
    if (p->active)
        return;
    p->active = true;
    p->prev_active = NULL;
    p->next_active = p->repl->active;
    if (p->next_active)
        p->next_active->prev_active = p;
    p->repl->active = p;
}

static void deactivate(struct repl_replica *p)
{
    if (!p->active)
        return;
    p->active = false;
    if (p->prev_active)
        p->prev_active->next_active = p->next_active;
    else
        p->repl->active = p->next_active;
    if (p->next_active)
        p->next_active->prev_active = p->prev_active;
}

void repl__send(struct repl *r, repl_node to, bool urgent)
{
    r->io.send(r->io.ctx, to, urgent, r->out.data, r->out.len);
}

uint64_t repl__lease(struct repl *r, repl_node node)
{
    return atomic_load_explicit(&r->nodes[node].lease, memory_order_acquire);
}

uint64_t repl__epoch_at(struct repl_replica *p, uint64_t lsn)
{
    if (lsn == 0)
        return 0;
    return lsn == p->last_lsn ? p->last_epoch : p->repl->io.epoch_at(p->ctx, lsn);
}

void repl__append(struct repl_replica *p, const struct repl_entry *entries, size_t n)
{
    assert(entries[0].lsn > p->committed && entries[0].lsn <= p->last_lsn + 1);
    p->durable = MIN(p->durable, entries[0].lsn - 1);
    p->last_lsn = entries[n - 1].lsn;
    p->last_epoch = entries[n - 1].epoch;
    p->repl->io.append(p->ctx, entries, n);
}

void repl__commit(struct repl_replica *p, uint64_t lsn)
{
    if (lsn <= p->committed)
        return;
    assert(lsn <= p->last_lsn);
    p->committed = lsn;
    p->repl->io.commit(p->ctx, lsn);
}

void repl__set_gate(struct repl_replica *p)
{
    uint64_t gate = p->serving ? 1ull << 63 : 0;
    for (repl_node n = 0; n < REPL_MAX_NODES; n++)
        if (primary__needs(p, n))
            gate |= 1ull << n;
    atomic_store_explicit(&p->gate, gate, memory_order_release);
}

void repl__set_role(struct repl_replica *p, enum repl_role role, bool serving)
{
    bool changed = p->role != role || p->serving != serving;
    p->role = role;
    p->serving = serving;
    repl__set_gate(p);
    if (changed)
        p->repl->io.role(p->ctx, role, serving, p->config.epoch);
}

bool repl_may_serve(const struct repl_replica *p, uint64_t now)
{
    uint64_t gate = atomic_load_explicit(&p->gate, memory_order_acquire);
    if (!(gate >> 63))
        return false;
    for (gate &= ~(1ull << 63); gate; gate &= gate - 1)
        if (repl__lease(p->repl, (repl_node)__builtin_ctzll(gate)) <= now &&
            !REPL_MUTATION(lease_forever))
            return false;
    return true;
}

/* ---- life
 * ---------------------------------------------------------------------------------------- */

struct repl *repl_new(const struct repl_options *options, const struct repl_io *io, repl_node self,
                      uint64_t incarnation, uint64_t now)
{
    assert(options->grace_ms > options->lease_ms && self < REPL_MAX_NODES);
    struct repl *r = NEW(struct repl);
    r->options = *options;
    r->io = *io;
    r->self = self;
    r->incarnation = incarnation;
    r->now = r->started = now;
    for (repl_node n = 0; n < REPL_MAX_NODES; n++)
        r->nodes[n].heard = now;
    return r;
}

void repl_free(struct repl *r)
{
    if (!r)
        return;
    while (r->all)
        repl_close(r, r->all);
    map_done(&r->regions);
    buf_done(&r->out);
    mem_free(r);
}

struct repl_replica *repl_open(struct repl *r, uint64_t now, uint64_t region, void *replica_ctx,
                               uint64_t last_lsn, uint64_t last_epoch, uint64_t applied_lsn,
                               uint64_t applied_epoch, bool damaged)
{
    assert(last_lsn >= applied_lsn);
    (void)applied_epoch; /* epoch_at tells */
    repl__advance(r, now);
    struct repl_replica *p = NEW(struct repl_replica);
    p->repl = r;
    p->region = region;
    p->ctx = replica_ctx;
    p->last_lsn = p->durable = last_lsn;
    p->last_epoch = last_epoch;
    p->committed = p->match = applied_lsn;
    p->damaged = damaged && !REPL_MUTATION(damaged_is_fine);
    p->next_stream = (uint32_t)(r->incarnation ^ now) | 1;
    p->next = r->all;
    if (p->next)
        p->next->prev = p;
    r->all = p;
    map_put_u64(&r->regions, region, p);
    return p;
}

void repl_close(struct repl *r, struct repl_replica *p)
{
    primary__stop(p);
    deactivate(p);
    map_remove_u64(&r->regions, p->region);
    if (p->prev)
        p->prev->next = p->next;
    else
        r->all = p->next;
    if (p->next)
        p->next->prev = p->prev;
    mem_free(p);
}

/* ---- time
 * -------------------------------------------------------------------------------------- */

/* Of time in which this process did not run, or which its clock only claims, others can't have been
 * silent for long: they get it back. (A lease that they granted runs on: to end early is safe.) */
static void forgive(struct repl *r, uint64_t gap)
{
    for (repl_node n = 0; n < REPL_MAX_NODES; n++) {
        r->nodes[n].heard += gap;
        if (r->nodes[n].granted_at)
            r->nodes[n].granted_at += gap;
    }
    for (struct repl_replica *p = r->all; p; p = p->next) {
        p->learned_at += gap;
        p->quiet_until += p->quiet_until ? gap : 0;
    }
}

void repl__advance(struct repl *r, uint64_t now)
{
    enum { SHORTEST_MS = 50 };
    uint64_t usual = MAX((r->options.grace_ms - r->options.lease_ms) / 2, (uint32_t)SHORTEST_MS);
    if (now <= r->now)
        return;
    uint64_t gap = now - r->now;
    r->now = now;
    if (gap > usual && !REPL_MUTATION(believes_the_clock))
        forgive(r, gap - usual);
}

/* ---- configs
 * -------------------------------------------------------------------------------------- */

static bool same_config(const struct repl_config *a, const struct repl_config *b)
{
    if (a->epoch != b->epoch || a->primary != b->primary || a->n_backups != b->n_backups ||
        a->n_learners != b->n_learners)
        return false;
    for (uint32_t i = 0; i < a->n_backups; i++)
        if (!repl__in(b->backups, b->n_backups, a->backups[i]))
            return false;
    for (uint32_t i = 0; i < a->n_learners; i++)
        if (!repl__in(b->learners, b->n_learners, a->learners[i]))
            return false;
    return true;
}

void repl__propose(struct repl_replica *p, const struct repl_config *next)
{
    assert(!p->proposing && next->epoch == p->config.epoch + 1);
    p->proposing = true;
    p->unknown = p->unsure = false;
    p->doubts_asked = p->doubts;
    p->proposed = *next;
    p->proposed_at = p->repl->now;
    repl__set_gate(p); /* the new members' leases are needed from before it can happen */
    repl__activate(p);
    p->repl->io.propose(p->ctx, &p->config, next);
}

void repl_proposal_failed(struct repl *r, uint64_t now, struct repl_replica *p, uint64_t epoch,
                          bool unknown)
{
    repl__advance(r, now);
    if (!p->proposing || p->proposed.epoch != epoch)
        return;
    if (unknown ||
        (p->unsure && !REPL_MUTATION(refused_is_forgotten))) { /* refused, maybe because an attempt
                                                                  that got no answer was first */
        p->unknown = p->unsure = true;
        p->proposed_at = r->now;
        return;
    }
    p->proposing = false;
    repl__set_gate(p);
    repl__activate(p);
    if (p->role == REPL_PRIMARY)
        primary__try_commit(p);
}

static enum repl_role role_in(const struct repl_config *c, repl_node self)
{
    if (!c->epoch)
        return REPL_NONE;
    if (c->primary == self)
        return REPL_PRIMARY;
    if (repl__in(c->backups, c->n_backups, self))
        return REPL_BACKUP;
    return repl__in(c->learners, c->n_learners, self) ? REPL_LEARNER : REPL_NONE;
}

/* A proposal of ours from before a restart may have come through while we granted its lease to the
 * primary that it deposes. What we granted to whom may have been the primary runs out first. */
static void wait_for_leases(struct repl_replica *p, const struct repl_config *old)
{
    struct repl *r = p->repl;
    for (repl_node n = 0; n < REPL_MAX_NODES; n++) {
        bool member = n == old->primary || n == p->config.primary ||
                      repl__in(old->backups, old->n_backups, n) ||
                      repl__in(p->config.backups, p->config.n_backups, n);
        if (!member || n == r->self || !r->nodes[n].granted_at)
            continue;
        p->quiet_until = MAX(p->quiet_until, r->nodes[n].granted_at + r->options.grace_ms);
        repl__ungrant(r, n);
    }
}

/* The config says that this is the primary. Was it made so by a change that this process saw? */
static void named_primary(struct repl_replica *p, const struct repl_config *old, bool ours)
{
    bool follows = old->epoch && old->epoch + 1 == p->config.epoch && old->primary != p->repl->self;
    bool witnessed = p->doubts_settled == p->doubts && (ours || follows);
    witnessed |= REPL_MUTATION(no_bump_on_restart);
    bool given = follows && repl__in(p->config.backups, p->config.n_backups, old->primary);
    if (!ours && !given && old->epoch && !REPL_MUTATION(no_wait_for_leases))
        wait_for_leases(p, old);
    if (p->role == REPL_PRIMARY && ours && !p->must_bump) {
        primary__configure(p); /* the reign goes on */
        return;
    }
    if (!witnessed || p->damaged || p->failed) {
        p->must_bump = true; /* primary__tick proposes; a damaged one hands over */
        repl__set_role(p, REPL_PRIMARY, false);
        primary__configure(p);
        repl__activate(p);
        return;
    }
    primary__start(p, p->config.epoch);
}

void repl_config_changed(struct repl *r, uint64_t now, struct repl_replica *p,
                         const struct repl_config *config)
{
    repl__advance(r, now);
    if (config->epoch && config->epoch <= p->config.epoch)
        return;
    struct repl_config old = p->config;
    bool ours = p->proposing && same_config(&p->proposed, config);
    if (ours && p->doubts_asked == p->doubts)
        p->doubts_settled = p->doubts; /* whatever else was on its way has failed */
    if (old.primary != config->primary || !old.epoch)
        p->learned_at = r->now;
    p->config = *config;
    if (!config->epoch || (p->proposing && config->epoch >= p->proposed.epoch))
        p->proposing = p->unknown = false;
    if (old.epoch && old.primary != config->primary && old.primary != r->self)
        repl__ungrant(r, old.primary);
    enum repl_role role = role_in(config, r->self);
    p->excused = p->excused || (role == REPL_NONE && config->epoch >= p->member_since);
    if (role == REPL_PRIMARY) {
        named_primary(p, &old, ours);
        return;
    }
    if (p->role == REPL_PRIMARY) {
        primary__stop(p);
        p->match = p->committed;
    }
    p->must_bump = p->transferring = p->handing_over = false;
    repl__set_role(p, role, false);
    repl__activate(p);
}

bool repl_may_drop(const struct repl_replica *p)
{
    return p->role == REPL_NONE && p->config.epoch >= p->member_since;
}

/* ---- links
 * ------------------------------------------------------------------------------------------ */

void repl__send_beacon(struct repl *r, repl_node to)
{
    struct message m = {.kind = MSG_BEACON, .time = r->now, .incarnation = r->incarnation};
    r->nodes[to].beacon_at = r->now;
    message_put(&r->out, &m);
    repl__send(r, to, true);
}

/* Its beacons get no answer until it has seen what we know now. */
void repl__ungrant(struct repl *r, repl_node node)
{
    struct node_state *n = &r->nodes[node];
    n->granted = false;
    n->serial++;
    n->claims_at = 0;
}

static void send_claims(struct repl *r, repl_node to)
{
    struct node_state *n = &r->nodes[to];
    if (n->claims_at && r->now < n->claims_at + r->options.beacon_ms / 2)
        return;
    n->claims_at = r->now;
    struct message m = {.kind = MSG_CLAIMS, .incarnation = r->incarnation, .serial = n->serial};
    for (struct repl_replica *p = r->all; p; p = p->next)
        m.n += p->config.epoch != 0;
    message_put(&r->out, &m);
    for (struct repl_replica *p = r->all; p; p = p->next) {
        if (!p->config.epoch)
            continue;
        bool taking = p->proposing && p->proposed.primary == r->self && p->role != REPL_PRIMARY;
        struct claim c = {.region = p->region,
                          .epoch = taking ? p->proposed.epoch : p->config.epoch,
                          .yours = !taking && p->config.primary == to};
        message_put_claim(&r->out, &c);
    }
    repl__send(r, to, true);
}

static void on_beacon(struct repl *r, repl_node from, struct message *m)
{
    struct node_state *n = &r->nodes[from];
    n->heard = r->now;
    n->ever_heard = true;
    n->silent = n->down = false;
    if (!n->granted && !REPL_MUTATION(grant_at_once)) {
        send_claims(r, from);
        return;
    }
    n->granted_at = r->now;
    m->kind = MSG_BEACON_ACK;
    message_put(&r->out, m);
    repl__send(r, from, true);
}

static void on_beacon_ack(struct repl *r, repl_node from, const struct message *m)
{
    struct node_state *n = &r->nodes[from];
    if (m->incarnation != r->incarnation || m->time > r->now)
        return;
    uint64_t sent = REPL_MUTATION(lease_from_receive) ? r->now : m->time;
    uint64_t until = sent + r->options.lease_ms; /* from when it was sent, not when it came */
    if (until > atomic_load(&n->lease))
        atomic_store_explicit(&n->lease, until, memory_order_release);
    n->lapsed = n->lapsed && until <= r->now;
    n->down = n->down && until <= r->now;
}

/* What `from` knows. Where it is ahead of us, or has forgotten a region, it may be on the way to
 * take over from a config that we don't know yet: a primary that relies on its lease must prove
 * itself again, and whoever becomes primary meanwhile, too. Only a swap that is asked for from here
 * on does: all that were on their way then fail. */
static void on_claims(struct repl *r, repl_node from, const struct message *m)
{
    if (r->nodes[from].incarnation != m->incarnation)
        primary__peer_restarted(r, from);
    r->nodes[from].incarnation = m->incarnation;
    struct map known = {0};
    struct reader list = m->list;
    struct claim c;
    for (uint32_t i = 0; i < m->n && message_next_claim(&list, &c); i++)
        map_put_u64(&known, c.region, (void *)(uintptr_t)(c.yours ? 1 : c.epoch + 1));
    for (struct repl_replica *p = r->all; p; p = p->next) {
        if (p->role == REPL_PRIMARY && !primary__needs(p, from))
            continue;
        uint64_t mark = (uint64_t)(uintptr_t)map_get_u64(&known, p->region);
        if (mark != 0 && (mark == 1 || mark - 1 <= p->config.epoch))
            continue;
        p->doubts += !REPL_MUTATION(no_doubts);
        if (p->role == REPL_PRIMARY)
            primary__lose_reign(p);
    }
    map_done(&known);
    struct message ack = {
        .kind = MSG_CLAIMS_ACK, .incarnation = m->incarnation, .serial = m->serial};
    message_put(&r->out, &ack);
    repl__send(r, from, true);
    if (r->nodes[from].users) /* it grants leases from here on: a new primary waits for one */
        repl__send_beacon(r, from);
}

static void on_claims_ack(struct repl *r, repl_node from, const struct message *m)
{
    struct node_state *n = &r->nodes[from];
    if (m->incarnation == r->incarnation && m->serial == n->serial)
        n->granted = true;
}

void repl_receive(struct repl *r, uint64_t now, repl_node from, const void *data, size_t len)
{
    repl__advance(r, now);
    struct message m;
    if (from >= REPL_MAX_NODES || from == r->self || !message_decode(data, len, &m)) {
        r->garbage++;
        return;
    }
    if (m.kind == MSG_BEACON) {
        on_beacon(r, from, &m);
    } else if (m.kind == MSG_BEACON_ACK) {
        on_beacon_ack(r, from, &m);
    } else if (m.kind == MSG_CLAIMS) {
        on_claims(r, from, &m);
    } else if (m.kind == MSG_CLAIMS_ACK) {
        on_claims_ack(r, from, &m);
    } else {
        struct repl_replica *p = map_get_u64(&r->regions, m.region);
        if (!p)
            return; /* not ours yet, or any more: the sender asks again or learns */
        if (m.kind == MSG_PREPARE)
            follower__prepare(p, from, &m);
        else if (m.kind == MSG_PREPARE_ACK)
            primary__ack(p, from, &m);
        else
            follower__need_snapshot(p, from, &m);
    }
}

/* Removing a backup needs no patience, only a compare-and-swap. Taking over from a primary does:
 * that is left to the grace period. */
void repl_peer_down(struct repl *r, uint64_t now, repl_node node)
{
    repl__advance(r, now);
    if (r->nodes[node].down)
        return;
    r->nodes[node].down = true;
    for (struct repl_replica *p = r->all; p; p = p->next)
        if (primary__needs(p, node))
            primary__tick(p); /* clients wait for it */
}

static void wake_concerned(struct repl *r, repl_node node)
{
    for (struct repl_replica *p = r->all; p; p = p->next)
        if (p->role == REPL_PRIMARY ? primary__needs(p, node) : p->config.primary == node)
            repl__activate(p);
}

static void tick_node(struct repl *r, repl_node node)
{
    struct node_state *n = &r->nodes[node];
    if (n->users && r->now >= n->beacon_at + r->options.beacon_ms)
        repl__send_beacon(r, node);
    if (!n->silent && r->now > n->heard + repl__grace(r)) {
        n->silent = true;
        wake_concerned(r, node);
    }
    if (n->users && !n->lapsed && repl__lease(r, node) <= r->now) {
        n->lapsed = true;
        wake_concerned(r, node);
    }
}

void repl_tick(struct repl *r, uint64_t now)
{
    repl__advance(r, now);
    for (repl_node node = 0; node < REPL_MAX_NODES; node++)
        if (node != r->self)
            tick_node(r, node);
    for (struct repl_replica *p = r->active, *next; p; p = next) {
        next = p->next_active;
        deactivate(p); /* who still has something to do says so again */
        if (p->proposing && p->unknown && r->now >= p->proposed_at + r->options.retry_ms) {
            p->unknown = false;
            r->io.propose(p->ctx, &p->config, &p->proposed);
        }
        if (p->proposing)
            repl__activate(p);
        if (p->role == REPL_PRIMARY)
            primary__tick(p);
        else
            follower__tick(p);
    }
}

uint64_t repl_next_tick(const struct repl *r)
{
    return r->now + (r->active ? 10 : r->options.beacon_ms / 4);
}

/* ---- what the caller reports and asks
 * ---------------------------------------------------------------- */

void repl_durable(struct repl *r, uint64_t now, struct repl_replica *p, uint64_t lsn,
                  uint64_t epoch)
{
    repl__advance(r, now);
    if (lsn <= p->durable || lsn > p->last_lsn || repl__epoch_at(p, lsn) != epoch)
        return;
    p->durable = lsn;
    if (p->role == REPL_PRIMARY)
        primary__try_commit(p);
    else
        follower__durable(p);
}

void repl_failed(struct repl *r, uint64_t now, struct repl_replica *p)
{
    repl__advance(r, now);
    p->failed = true;
    if (p->role == REPL_PRIMARY)
        repl__set_role(p, REPL_PRIMARY, false);
    repl__activate(p);
}

void repl_get_status(const struct repl *r, const struct repl_replica *p, struct repl_status *ret)
{
    *ret = (struct repl_status){.role = p->role,
                                .serving = p->serving && repl_may_serve(p, r->now),
                                .damaged = p->damaged || p->failed,
                                .proposing = p->proposing,
                                .config = p->config,
                                .last_lsn = p->last_lsn,
                                .durable_lsn = p->durable,
                                .committed_lsn = p->committed};
    for (uint32_t i = 0; i < p->n_peers && ret->n_peers < ARRAY_LEN(ret->peers); i++)
        ret->peers[ret->n_peers++] =
            (struct repl_peer_status){.node = p->peers[i].node,
                                      .durable_lsn = p->peers[i].acked,
                                      .snapshot = p->peers[i].state == PEER_SNAPSHOT};
}

uint64_t repl_silence(const struct repl *r, repl_node node, uint64_t now)
{
    const struct node_state *n = &r->nodes[node];
    return n->ever_heard ? now - n->heard : UINT64_MAX;
}
