/*
 * The primary: sends its log to the others, commits what all have, changes the config when one of
 * them goes or comes.
 *
 * A peer:   PROBE --it matches--> STREAM --an answer is overdue--> PROBE
 *             \--our log does not reach back--> SNAPSHOT --it has one--> STREAM
 *
 * A learner that has nearly everything is `joining`: commits wait for it from then on, and when it
 * has what was there at that moment, a config with it as a backup is proposed. So at the swap it
 * has all that is committed (invariant 2).
 */
#include "repl/repl_int.h"

enum {
    MAX_SEND = 256,
    JOIN_DISTANCE = 4096,
    LEARNER_SILENCE_MS = 10000,
    TRANSFER_RETRIES = 4,
    FAILED_RETRIES = 4
};

static struct peer *find_peer(struct repl_replica *p, repl_node node)
{
    for (uint32_t i = 0; i < p->n_peers; i++)
        if (p->peers[i].node == node)
            return &p->peers[i];
    return NULL;
}

static bool is_backup(const struct repl_replica *p, repl_node node)
{
    return repl__in(p->config.backups, p->config.n_backups, node);
}

/* Commits and leases wait for this node: the union of the config, the one that is proposed, and who
 * joins. */
bool primary__needs(const struct repl_replica *p, repl_node node)
{
    if (p->role != REPL_PRIMARY || node == p->repl->self)
        return false;
    if (is_backup(p, node))
        return true;
    if (p->proposing && !REPL_MUTATION(no_union) &&
        (repl__in(p->proposed.backups, p->proposed.n_backups, node) || p->proposed.primary == node))
        return true;
    for (uint32_t i = 0; i < p->n_peers; i++)
        if (p->peers[i].node == node && p->peers[i].joining)
            return true;
    return false;
}

static bool has_lease(struct repl_replica *p, repl_node node)
{
    return repl__lease(p->repl, node) > p->repl->now;
}

static bool has_failed(const struct repl_replica *p, const struct peer *peer)
{
    return p->repl->now < peer->failed_until;
}

/* ---- sending
 * ------------------------------------------------------------------------------------- */

static void send_snapshot_notice(struct repl_replica *p, struct peer *peer)
{
    struct message m = {.kind = MSG_NEED_SNAPSHOT,
                        .region = p->region,
                        .epoch = p->reign,
                        .stream = peer->stream,
                        .config = p->config.epoch,
                        .lsn = peer->next};
    peer->state = PEER_SNAPSHOT;
    peer->sent_at = p->repl->now;
    peer->in_flight = 0;
    message_put(&p->repl->out, &m);
    repl__send(p->repl, peer->node, false);
}

/* Entries from peer->next on (n may be 0). False: what lies before them is not known any more. */
static bool send_entries(struct repl_replica *p, struct peer *peer,
                         const struct repl_entry *entries, size_t n)
{
    struct repl *r = p->repl;
    uint64_t prev = peer->next - 1, prev_epoch = repl__epoch_at(p, prev);
    if (prev && !prev_epoch)
        return false;
    struct message m = {.kind = MSG_PREPARE,
                        .region = p->region,
                        .epoch = p->reign,
                        .stream = peer->stream,
                        .config = p->config.epoch,
                        .prev_lsn = prev,
                        .prev_epoch = prev_epoch,
                        .committed = p->committed,
                        .n = (uint32_t)n};
    message_put(&r->out, &m);
    for (size_t i = 0; i < n; i++) {
        message_put_entry(&r->out, &entries[i]);
        peer->in_flight += entries[i].len + 32;
    }
    peer->next += n;
    peer->announced = p->committed;
    peer->sent_at = r->now;
    repl__send(r, peer->node, false);
    return true;
}

static void probe(struct repl_replica *p, struct peer *peer)
{
    peer->state = PEER_PROBE;
    peer->in_flight = 0;
    if (!send_entries(p, peer, NULL, 0))
        send_snapshot_notice(p, peer);
}

/* Sends what a streaming peer lacks, as far as the window allows. */
static void pump(struct repl_replica *p, struct peer *peer)
{
    struct repl *r = p->repl;
    while (peer->state == PEER_STREAM && peer->next <= p->last_lsn &&
           peer->in_flight < r->options.window_bytes) {
        struct repl_entry entries[MAX_SEND];
        size_t n = r->io.read(p->ctx, peer->next, r->options.batch_bytes, entries, MAX_SEND);
        if (!n || !send_entries(p, peer, entries, n))
            send_snapshot_notice(p, peer);
    }
}

static void send_some(struct repl_replica *p, struct peer *peer)
{
    if (peer->state == PEER_PROBE)
        probe(p, peer);
    else if (peer->state == PEER_STREAM)
        pump(p, peer);
    else
        send_snapshot_notice(p, peer);
}

/* ---- peers
 * ---------------------------------------------------------------------------------------- */

static void remove_peer(struct repl_replica *p, uint32_t i)
{
    p->repl->nodes[p->peers[i].node].users--;
    p->peers[i] = p->peers[--p->n_peers];
}

static void add_peer(struct repl_replica *p, repl_node node)
{
    struct repl *r = p->repl;
    if (node == r->self || find_peer(p, node) || p->n_peers == MAX_PEERS)
        return;
    p->peers[p->n_peers++] = (struct peer){.node = node,
                                           .stream = ++p->next_stream,
                                           .next = p->last_lsn + 1,
                                           .since = r->now,
                                           .heard_at = r->now};
    if (r->nodes[node].users++ == 0)
        repl__send_beacon(r, node); /* its lease is needed now */
    if (!p->must_bump)
        probe(p, &p->peers[p->n_peers - 1]);
}

void primary__stop(struct repl_replica *p)
{
    while (p->n_peers)
        remove_peer(p, p->n_peers - 1);
}

/* Peers as the config has them. */
void primary__configure(struct repl_replica *p)
{
    const struct repl_config *c = &p->config;
    for (uint32_t i = p->n_peers; i-- > 0;) {
        repl_node node = p->peers[i].node;
        if (is_backup(p, node)) {
            if (p->peers[i].joining)
                p->peers[i].since = p->repl->now;
            p->peers[i].joining = false;
        } else if (!repl__in(c->learners, c->n_learners, node)) {
            remove_peer(p, i);
        }
    }
    for (uint32_t i = 0; i < c->n_backups; i++)
        add_peer(p, c->backups[i]);
    for (uint32_t i = 0; i < c->n_learners; i++)
        add_peer(p, c->learners[i]);
    repl__set_gate(p);
    repl__activate(p);
    primary__try_commit(p);
}

/* It has forgotten who leads it and what is committed, and would not hear of it before the next
 * write; meanwhile it could not apply the end of its log, nor let go of it. A new stream, for
 * answers of its life before may still be on their way: they say that it has applied what it has
 * not. */
void primary__peer_restarted(struct repl *r, repl_node node)
{
    for (struct repl_replica *p = r->all; p; p = p->next) {
        struct peer *peer = p->role == REPL_PRIMARY ? find_peer(p, node) : NULL;
        if (!peer || peer->state == PEER_SNAPSHOT)
            continue;
        peer->stream = ++p->next_stream;
        peer->state = PEER_PROBE;
        peer->next = peer->acked + 1;
        peer->in_flight = 0;
        peer->applied = 0;
        repl__activate(p);
    }
}

void primary__start(struct repl_replica *p, uint64_t epoch)
{
    p->must_bump = p->transferring = p->handing_over = false;
    p->reign = epoch;
    p->seen = MAX(p->seen, epoch);
    p->start = p->last_lsn;
    primary__stop(p);
    repl__set_role(p, REPL_PRIMARY, false);
    primary__configure(p);
}

void primary__lose_reign(struct repl_replica *p)
{
    p->must_bump = true;
    repl__set_role(p, REPL_PRIMARY, false);
    repl__activate(p);
}

/* ---- committing
 * ------------------------------------------------------------------------------------ */

static bool accepts(const struct repl_replica *p)
{
    return p->role == REPL_PRIMARY && !p->must_bump &&
           (!p->transferring || REPL_MUTATION(transfer_while_serving)) && !p->handing_over &&
           !p->failed;
}

void primary__try_commit(struct repl_replica *p)
{
    if (p->role != REPL_PRIMARY || p->must_bump)
        return;
    uint64_t all = REPL_MUTATION(own_log_not_durable) ? p->last_lsn : p->durable;
    for (uint32_t i = 0; i < p->n_peers; i++)
        if (primary__needs(p, p->peers[i].node) && !(i && REPL_MUTATION(commit_without_a_backup)))
            all = MIN(all, p->peers[i].acked);
    for (uint32_t i = 0; i < p->config.n_backups; i++)
        if (!find_peer(p, p->config.backups[i]))
            all = 0; /* more members than a core follows: never commit without one */
    if (all > p->committed) {
        repl__commit(p, all);
        repl__activate(p); /* tells the others at the next tick, if nothing else does before */
    }
    if (!p->serving && (p->committed >= p->start || REPL_MUTATION(serve_before_recovery)) &&
        p->repl->now >= p->quiet_until && accepts(p))
        repl__set_role(p, REPL_PRIMARY, true);
}

struct error *repl_append(struct repl *r, uint64_t now, struct repl_replica *p,
                          const struct repl_entry *entries, size_t n, uint64_t *ret_first)
{
    repl__advance(r, now);
    if (!p || !p->serving || !accepts(p))
        return error_new(E_NOT_PRIMARY, "this server is not the region's primary");
    uint64_t first = p->last_lsn + 1;
    _cleanup_(mem_freep) struct repl_entry *list = mem_alloc(n * sizeof(*list));
    for (size_t i = 0; i < n; i++)
        list[i] = (struct repl_entry){
            .lsn = first + i, .epoch = p->reign, .data = entries[i].data, .len = entries[i].len};
    repl__append(p, list, n);
    for (uint32_t k = 0; k < p->n_peers; k++) {
        struct peer *peer = &p->peers[k];
        size_t done = 0;
        while (done < n && peer->state == PEER_STREAM && peer->next == first + done &&
               peer->in_flight < r->options.window_bytes) {
            size_t some = 0, bytes = 0;
            while (done + some < n && bytes < r->options.batch_bytes)
                bytes += list[done + some++].len;
            if (!send_entries(p, peer, list + done, some))
                break;
            done += some;
        }
    }
    repl__activate(p);
    *ret_first = first;
    return NULL;
}

/* ---- answers
 * ---------------------------------------------------------------------------------------- */

static void on_match(struct repl_replica *p, struct peer *peer, uint64_t lsn)
{
    if (lsn > p->last_lsn)
        return; /* garbage */
    if (lsn > peer->acked) {
        uint64_t outstanding = peer->next - 1 - MIN(peer->acked, peer->next - 1);
        uint64_t left = peer->next - 1 > lsn ? peer->next - 1 - lsn : 0;
        peer->in_flight = outstanding ? peer->in_flight * left / outstanding : 0;
        peer->acked = lsn;
    }
    if (peer->next <= peer->acked) { /* the answer to what was sent before the last probe */
        peer->next = peer->acked + 1;
        peer->in_flight = 0;
    }
    if (peer->state != PEER_STREAM) {
        peer->state = PEER_STREAM;
        peer->next = peer->acked + 1;
        peer->in_flight = 0;
    }
    pump(p, peer);
    primary__try_commit(p);
    repl__activate(p);
}

static void on_reject(struct repl_replica *p, struct peer *peer, uint64_t hint)
{
    uint64_t common = MAX(hint, peer->acked);
    if (common + 1 >= peer->next)
        return; /* an old answer */
    peer->next = common + 1;
    probe(p, peer);
}

void primary__ack(struct repl_replica *p, repl_node from, const struct message *m)
{
    struct peer *peer = p->role == REPL_PRIMARY ? find_peer(p, from) : NULL;
    if (!peer)
        return;
    if (m->status == ACK_FAILED) { /* true of the member, whatever it answers to */
        peer->failed_until = p->repl->now + FAILED_RETRIES * p->repl->options.retry_ms;
        repl__activate(p);
        return;
    }
    if (p->must_bump || m->epoch != p->reign || m->stream != peer->stream)
        return;
    peer->heard_at = p->repl->now;
    peer->applied = MAX(peer->applied, m->committed);
    if (m->status == ACK_OK)
        on_match(p, peer, m->lsn);
    else
        on_reject(p, peer, m->lsn);
}

/* ---- changing the config
 * ------------------------------------------------------------------------------ */

static struct repl_config next_config(const struct repl_replica *p)
{
    struct repl_config c = p->config;
    c.epoch++;
    return c;
}

static void drop_node(repl_node *nodes, uint32_t *n, repl_node node)
{
    for (uint32_t i = 0; i < *n; i++)
        if (nodes[i] == node)
            nodes[i--] = nodes[--*n];
}

/* The lease of this backup ran out, and it has had the time to grant one. */
static bool is_lost(struct repl_replica *p, const struct peer *peer)
{
    struct repl *r = p->repl;
    uint64_t lease = repl__lease(r, peer->node);
    return has_failed(p, peer) || r->nodes[peer->node].down ||
           r->now >= MAX(lease, peer->since + r->options.lease_ms);
}

static bool propose_without_lost(struct repl_replica *p)
{
    struct repl_config next = next_config(p);
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct peer *peer = &p->peers[i];
        if (is_backup(p, peer->node) && is_lost(p, peer))
            drop_node(next.backups, &next.n_backups, peer->node);
        if (has_failed(p, peer))
            drop_node(next.learners, &next.n_learners, peer->node);
    }
    if (next.n_backups == p->config.n_backups && next.n_learners == p->config.n_learners)
        return false;
    repl__propose(p, &next);
    return true;
}

/* A learner whose server has said nothing for long: its leases lapsed that long ago. */
static bool propose_without_silent_learners(struct repl_replica *p)
{
    struct repl *r = p->repl;
    struct repl_config next = next_config(p);
    for (uint32_t i = 0; i < p->config.n_learners; i++) {
        const struct peer *peer = find_peer(p, p->config.learners[i]);
        if (peer && !peer->joining &&
            r->now > MAX(repl__lease(r, peer->node), peer->since) + LEARNER_SILENCE_MS)
            drop_node(next.learners, &next.n_learners, peer->node);
    }
    if (next.n_learners == p->config.n_learners)
        return false;
    repl__propose(p, &next);
    return true;
}

static bool propose_promotion(struct repl_replica *p)
{
    struct repl_config next = next_config(p);
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct peer *peer = &p->peers[i];
        bool ready = peer->joining && peer->acked >= peer->join_target;
        if (!(ready || (REPL_MUTATION(promote_at_once) && !is_backup(p, peer->node))) ||
            !has_lease(p, peer->node) || next.n_backups == REPL_MAX_COPIES)
            continue;
        drop_node(next.learners, &next.n_learners, peer->node);
        next.backups[next.n_backups++] = peer->node;
    }
    if (next.n_backups == p->config.n_backups)
        return false;
    repl__propose(p, &next);
    return true;
}

static void update_joining(struct repl_replica *p)
{
    for (uint32_t i = 0; i < p->n_peers; i++) {
        struct peer *peer = &p->peers[i];
        if (is_backup(p, peer->node))
            continue;
        bool close = peer->state == PEER_STREAM && p->last_lsn - peer->acked <= JOIN_DISTANCE &&
                     !has_failed(p, peer) && has_lease(p, peer->node);
        if (close == peer->joining)
            continue;
        peer->joining = close;
        peer->join_target = p->last_lsn;
        repl__set_gate(p);
        if (!close)
            primary__try_commit(p);
    }
}

/* What is wrong with this copy is not with the others: one of them takes its place. */
static void hand_over(struct repl_replica *p)
{
    p->handing_over = true;
    if (p->serving)
        repl__set_role(p, REPL_PRIMARY, false);
    if (p->proposing)
        return;
    struct repl_config next = next_config(p);
    for (uint32_t i = 0; i < p->config.n_backups; i++) {
        const struct peer *peer = find_peer(p, p->config.backups[i]);
        if (!peer || has_failed(p, peer) || !has_lease(p, peer->node))
            continue;
        next.primary = peer->node;
        drop_node(next.backups, &next.n_backups, peer->node);
        repl__propose(p, &next);
        return;
    }
}

static void tick_transfer(struct repl_replica *p)
{
    struct peer *peer = find_peer(p, p->transfer_to);
    if (p->proposing)
        return;
    if (peer && is_backup(p, peer->node) && peer->acked == p->last_lsn &&
        p->committed == p->last_lsn && has_lease(p, peer->node) &&
        p->repl->now < p->transfer_until) {
        if (!REPL_MUTATION(transfer_while_serving))
            repl__set_role(p, REPL_PRIMARY, false); /* before it can happen */
        struct repl_config next = next_config(p);
        next.primary = peer->node;
        drop_node(next.backups, &next.n_backups, peer->node);
        next.backups[next.n_backups++] = p->repl->self;
        repl__propose(p, &next);
    } else if (!peer || !is_backup(p, p->transfer_to) || p->repl->now >= p->transfer_until) {
        p->transferring = false;
        primary__try_commit(p);
    }
}

struct error *repl_change(struct repl *r, uint64_t now, struct repl_replica *p,
                          enum repl_change what, repl_node node)
{
    repl__advance(r, now);
    if (!p->serving || !accepts(p))
        return error_new(E_NOT_PRIMARY, "this server is not the region's primary");
    if (p->proposing)
        return error_hint(error_new("55006", "another change of the region is under way"),
                          "Try again.");
    bool learner = repl__in(p->config.learners, p->config.n_learners, node);
    struct repl_config next = next_config(p);
    switch (what) {
    case REPL_ADD_LEARNER:
        if (learner || is_backup(p, node) || node == r->self)
            return NULL;
        if (next.n_learners == REPL_MAX_LEARNERS)
            return error_new("54000", "the region has %d learners already", REPL_MAX_LEARNERS);
        next.learners[next.n_learners++] = node;
        break;
    case REPL_REMOVE:
        if (node == r->self)
            return error_hint(error_new("22023", "a primary can't be removed"),
                              "Make another server the primary first.");
        if (!learner && !is_backup(p, node))
            return NULL;
        drop_node(next.backups, &next.n_backups, node);
        drop_node(next.learners, &next.n_learners, node);
        break;
    case REPL_TRANSFER:
        if (node == r->self)
            return NULL;
        if (!is_backup(p, node) || !has_lease(p, node))
            return error_new("55000", "that server is not a backup that is up");
        p->transferring = true;
        p->transfer_to = node;
        p->transfer_until = r->now + r->options.retry_ms * TRANSFER_RETRIES;
        repl__activate(p);
        tick_transfer(p);
        return NULL;
    }
    repl__propose(p, &next);
    return NULL;
}

/* ---- ticks
 * ---------------------------------------------------------------------------------------------- */

/* Repeats what got no answer; tells the committed lsn. True: there is more to come. */
static bool tick_peer(struct repl_replica *p, struct peer *peer)
{
    struct repl *r = p->repl;
    uint32_t patience = peer->state == PEER_PROBE ? r->options.retry_ms / 8 : r->options.retry_ms;
    bool due = r->now >= MAX(peer->sent_at, peer->heard_at) + patience;
    if (peer->state != PEER_STREAM) {
        if (due)
            send_some(p, peer);
        return true;
    }
    if (peer->acked + 1 < peer->next && due) {
        peer->next = peer->acked + 1;
        probe(p, peer);
        return true;
    }
    pump(p, peer);
    bool lags = peer->applied < MIN(p->committed, peer->acked); /* its log can't be recycled */
    if ((peer->announced < p->committed || (lags && due)) && !send_entries(p, peer, NULL, 0))
        send_snapshot_notice(p, peer);
    return lags || peer->acked < p->last_lsn || peer->joining || !is_backup(p, peer->node);
}

static bool change_config(struct repl_replica *p)
{
    if (p->proposing)
        return true;
    if (p->transferring)
        tick_transfer(p);
    else
        return propose_without_lost(p) || propose_promotion(p) ||
               propose_without_silent_learners(p);
    return p->proposing || p->transferring;
}

void primary__tick(struct repl_replica *p)
{
    if (p->failed || p->damaged) {
        hand_over(p);
        repl__activate(p);
        return;
    }
    if (p->must_bump) {
        repl__activate(p);
        if (!p->proposing) {
            struct repl_config next = next_config(p);
            repl__propose(p, &next);
        }
        return;
    }
    update_joining(p);
    if (!p->serving)
        primary__try_commit(p);
    bool busy = change_config(p) || !p->serving;
    for (uint32_t i = 0; i < p->n_peers; i++) {
        struct peer *peer = &p->peers[i];
        busy |= tick_peer(p, peer);
        busy |= primary__needs(p, peer->node) && !has_lease(p, peer->node);
    }
    if (busy)
        repl__activate(p);
}
