/* repl, inside. One struct repl and all that hangs on it belong to whoever holds the caller's lock.
 */
#pragma once

#include "repl/repl.h"

#include <stdatomic.h>

/* ---- messages (message.c)
 * ------------------------------------------------------------------------ */

enum message_kind {
    MSG_BEACON = 1, /* time, incarnation: "I am here"; asks for a lease */
    MSG_BEACON_ACK, /* both echoed */
    MSG_CLAIMS,     /* incarnation, serial, what the sender knows of each region that it holds */
    MSG_CLAIMS_ACK, /* both echoed */
    MSG_PREPARE,
    MSG_PREPARE_ACK,
    MSG_NEED_SNAPSHOT,
};

enum ack_status { ACK_OK, ACK_REJECT, ACK_FAILED };

struct message {
    enum message_kind kind;
    uint64_t time, incarnation, serial;
    uint64_t region;
    uint64_t epoch;  /* of the sender's reign */
    uint64_t config; /* epoch of the config that makes the sender primary, the receiver a member */
    uint32_t stream; /* which peer slot of the primary; echoed */
    uint64_t prev_lsn, prev_epoch, committed;
    enum ack_status status;
    uint64_t lsn;       /* ack: durable and matching up to here; reject: try from behind here;
                           need snapshot: what the log does not reach back to */
    uint32_t n;         /* entries, or claims */
    struct reader list; /* the n entries or claims, to be read with next_entry, next_claim */
};

struct claim {
    uint64_t region, epoch;
    bool yours; /* the receiver is its primary, as far as the sender knows */
};

bool message_decode(const void *data, size_t len, struct message *ret);
bool message_next_entry(struct reader *list, struct repl_entry *ret);
bool message_next_claim(struct reader *list, struct claim *ret);
void message_put(struct buf *out, const struct message *m); /* without its list */
void message_put_entry(struct buf *out, const struct repl_entry *e);
void message_put_claim(struct buf *out, const struct claim *c);

/* ---- state
 * ----------------------------------------------------------------------------------------- */

enum peer_state { PEER_PROBE, PEER_STREAM, PEER_SNAPSHOT };

/* A primary's view of another member. */
struct peer {
    repl_node node;
    enum peer_state state;
    uint32_t stream;
    uint64_t next;      /* to send */
    uint64_t acked;     /* durable there, and the same as ours */
    uint64_t announced; /* committed lsn as last told */
    uint64_t applied;   /* committed lsn as it last answered */
    uint64_t in_flight; /* bytes, roughly */
    uint64_t sent_at, heard_at, since;
    bool joining; /* a learner that commits wait for already */
    uint64_t join_target;
    uint64_t failed_until; /* asked to be let go, and repeats that for as long as it is true */
};

enum { MAX_PEERS = REPL_MAX_COPIES * 2 + REPL_MAX_LEARNERS };

struct repl_replica {
    struct repl *repl;
    uint64_t region;
    void *ctx;
    _Atomic uint64_t gate; /* bit 63: serves; bit n: needs node n's lease */

    struct repl_config config; /* epoch 0: none known yet */
    bool proposing, unknown;   /* `proposed` is out; its outcome can't be told */
    bool unsure;               /* .. of some attempt: only a config can end it */
    /* Claims that showed, or did not rule out, a takeover that we don't know of: how many came, had
     * come when `proposed` was first asked for, and were answered by the success of a proposal. */
    uint32_t doubts, doubts_asked, doubts_settled;
    struct repl_config proposed;
    uint64_t proposed_at;

    enum repl_role role;
    bool serving;
    bool must_bump; /* named primary, but not by a change that it saw happen: raise the epoch first
                     */
    uint64_t reign; /* as primary: the epoch that its entries bear */
    uint64_t start; /* as primary: what must be committed before it serves */
    uint64_t quiet_until;  /* as primary: leases that we granted to others may last until then */
    uint64_t learned_at;   /* when this primary was first named to us */
    uint64_t seen;         /* as follower: the highest reign heard */
    uint64_t member_since; /* as follower: the newest config that a leader told us of */
    bool following;        /* as follower: leader and stream are of the reign `seen` */
    repl_node leader;
    uint32_t stream; /* as follower: the leader's name for us */
    uint64_t match;  /* as follower: up to here the log is known to be the leader's */
    uint64_t told;   /* as follower: the leader's committed lsn, of what matched */
    bool ack_due;    /* as follower: when `match` is durable */
    bool fetching;   /* as learner: a snapshot is to replace all this; nothing is taken meanwhile */

    uint64_t last_lsn, last_epoch, durable, committed;
    bool damaged, failed, handing_over;
    bool excused; /* damaged: was out of the config since, so that nobody counts on what it had said
                   */
    bool transferring;
    repl_node transfer_to;
    uint64_t transfer_until;

    struct peer peers[MAX_PEERS];
    uint32_t n_peers, next_stream;

    bool active; /* in repl->active: has something to do at ticks */
    struct repl_replica *next_active, *prev_active;
    struct repl_replica *next, *prev; /* all */
    uint64_t told_at;                 /* as follower: when it last asked to be let go */
};

struct node_state {
    uint32_t users;         /* peers of ours there */
    _Atomic uint64_t lease; /* it grants us its lease until then; 0: never did */
    uint64_t beacon_at;     /* last sent */
    uint64_t heard;         /* last beacon from it; our start at first */
    bool ever_heard, silent, lapsed;
    bool down;           /* its process ended, as the network says; until it is heard again */
    uint64_t granted_at; /* last */
    bool granted;        /* it knows what we know: its beacons are acknowledged */
    uint64_t serial, claims_at;
    uint64_t incarnation; /* of the process that last told its claims */
};

struct repl {
    struct repl_options options;
    struct repl_io io;
    repl_node self;
    uint64_t incarnation, now, started;
    struct node_state nodes[REPL_MAX_NODES];
    struct map regions;
    struct repl_replica *all, *active;
    struct buf out; /* the message being made */
    uint64_t garbage;
};

/* repl.c */
void repl__advance(struct repl *r, uint64_t now); /* time has come to this */
uint64_t repl__grace(const struct repl *r);       /* how long a primary may be silent */
void repl__activate(struct repl_replica *p);
void repl__send(struct repl *r, repl_node to, bool urgent);
void repl__send_beacon(struct repl *r, repl_node to);
bool repl__in(const repl_node *nodes, uint32_t n, repl_node node);
void repl__propose(struct repl_replica *p, const struct repl_config *next);
void repl__set_role(struct repl_replica *p, enum repl_role role, bool serving);
void repl__set_gate(struct repl_replica *p);
void repl__ungrant(struct repl *r, repl_node node);
uint64_t repl__epoch_at(struct repl_replica *p, uint64_t lsn);
void repl__append(struct repl_replica *p, const struct repl_entry *entries, size_t n);
void repl__commit(struct repl_replica *p, uint64_t lsn);
uint64_t repl__lease(struct repl *r, repl_node node);

/* primary.c */
void primary__start(struct repl_replica *p, uint64_t epoch);
void primary__stop(struct repl_replica *p); /* forgets its peers */
void primary__configure(struct repl_replica *p);
void primary__lose_reign(struct repl_replica *p);
void primary__tick(struct repl_replica *p);
void primary__peer_restarted(struct repl *r, repl_node node);
void primary__ack(struct repl_replica *p, repl_node from, const struct message *m);
void primary__send_all(struct repl_replica *p);
void primary__try_commit(struct repl_replica *p);
bool primary__needs(const struct repl_replica *p, repl_node node);

/* follower.c */
void follower__prepare(struct repl_replica *p, repl_node from, struct message *m);
void follower__need_snapshot(struct repl_replica *p, repl_node from, const struct message *m);
void follower__durable(struct repl_replica *p);
void follower__tick(struct repl_replica *p);
