/*
 * repl: the replication core. PacificA (Lin et al., 2008) as a pure state machine.
 *
 * One `struct repl` is one server: its links to other servers and its replicas of regions. Events
 * go in (a message, a tick, a disk write that finished, a config that changed), actions come out
 * through `struct repl_io`. No sockets, threads, clocks, files. Time is given, in milliseconds of a
 * monotonic clock.
 *
 * Invariants (DESIGN.md, section 3), kept here:
 *  1. Only the current primary, or a backup that takes over, changes a config, and only by
 * `propose` (compare-and-swap on the config it knows; epoch + 1). The master asks the primary
 * (repl_change).
 *  2. committed(any) <= durable(all in the config). While a proposal is out, "the config" is the
 * union of old and new.
 *  3. An entry commits when the primary's own log and all backups have it durable.
 *  4. A replica that is not a backup in the config never proposes itself.
 *  5. A primary serves only while every backup of (the union of) its config has acknowledged a
 * beacon sent less than lease_ms ago; a backup takes over only after grace_ms > lease_ms without
 * hearing from the primary.
 *  6. A (lsn, epoch) names one entry for ever: a restarted primary first raises the epoch.
 *  7. A server grants leases (acknowledges beacons) only to a server that knows what this one knows
 * of its regions: after a start, a takeover, or a config with another primary, the old primary must
 * first acknowledge the list (CLAIMS).
 *
 *   role:  NONE -> LEARNER -> BACKUP -> PRIMARY(recovering) -> PRIMARY(serving)
 *
 * Not thread-safe; the caller has one lock around it, except repl_may_serve(), which any thread may
 * call.
 */
#pragma once

#include "base/base.h"

enum { REPL_MAX_NODES = 60, REPL_MAX_COPIES = 7, REPL_MAX_LEARNERS = 4 };

typedef uint32_t repl_node; /* a server, numbered by the caller, below REPL_MAX_NODES */

struct repl_config {
    uint64_t epoch; /* 0: there is none (the region was dropped) */
    repl_node primary;
    uint32_t n_backups, n_learners;
    repl_node backups[REPL_MAX_COPIES];
    repl_node learners[REPL_MAX_LEARNERS];
};

struct repl_entry {
    uint64_t lsn, epoch;
    const char *data;
    uint32_t len;
};

enum repl_role { REPL_NONE, REPL_LEARNER, REPL_BACKUP, REPL_PRIMARY };

struct repl_options {
    uint32_t beacon_ms;    /* 200 */
    uint32_t lease_ms;     /* 1000 */
    uint32_t grace_ms;     /* 1200; > lease_ms is asserted */
    uint32_t retry_ms;     /* 500: a proposal or a probe without an answer is repeated */
    uint32_t window_bytes; /* 8 MiB: unacknowledged bytes to one peer */
    uint32_t batch_bytes;  /* 1 MiB: the most in one message */
};
extern const struct repl_options repl_defaults;

struct repl;
struct repl_replica;

/* What the core asks of the world. Called from inside repl_* functions; must not block, must not
 * call back into repl_* for the same struct repl. */
struct repl_io {
    void *ctx;
    /* Best effort: may be lost, delayed, reordered, duplicated. `urgent`: beacons, which must not
     * queue behind data. The bytes are borrowed. */
    void (*send)(void *ctx, repl_node to, bool urgent, const void *data, size_t len);
    /* Append to the log, in order; entries at or above the first lsn are replaced. Answered by
     * repl_durable() after a later sync, or repl_failed(). `replica_ctx` is the caller's, from
     * repl_open. */
    void (*append)(void *replica_ctx, const struct repl_entry *entries, size_t n);
    /* Forget entries above lsn. */
    void (*truncate)(void *replica_ctx, uint64_t lsn);
    /* Read entries back from the log, from lsn on, for a peer that lags. 0: the log does not reach
     * back to it. Data lives until the next call. */
    size_t (*read)(void *replica_ctx, uint64_t from, size_t max_bytes, struct repl_entry *ret,
                   size_t max_n);
    /* Epoch of an entry in the log or of the file's applied lsn; 0: not known any more. */
    uint64_t (*epoch_at)(void *replica_ctx, uint64_t lsn);
    /* Everything up to lsn is committed: apply it. Never goes back. */
    void (*commit)(void *replica_ctx, uint64_t lsn);
    /* Compare-and-swap the region's config from `current` to `next` (epoch + 1). Answered by
     * repl_config_changed() when it was swapped (also by somebody else), or repl_proposal_failed().
     */
    void (*propose)(void *replica_ctx, const struct repl_config *current,
                    const struct repl_config *next);
    /* The replica's role changed. PRIMARY with serving=true: appends are accepted from now on, and
     * everything before is committed. serving=false: writes in flight have an unknown outcome (they
     * may still commit). */
    void (*role)(void *replica_ctx, enum repl_role role, bool serving, uint64_t epoch);
    /* A learner needs a snapshot from `from`. Answered by repl_snapshot_done(). Repeated calls
     * while one is under way are harmless. */
    void (*fetch_snapshot)(void *replica_ctx, repl_node from);
};

struct repl *repl_new(const struct repl_options *options, const struct repl_io *io, repl_node self,
                      uint64_t incarnation, uint64_t now);
void repl_free(struct repl *r);

void repl_tick(struct repl *r, uint64_t now); /* at least every beacon_ms / 4 */
/* When something is due next (absolute ms), for a simulator that skips time. */
uint64_t repl_next_tick(const struct repl *r);
/* One message from a peer; the bytes may be garbage (ignored, counted). */
void repl_receive(struct repl *r, uint64_t now, repl_node from, const void *data, size_t len);

/* The node's process has ended: its machine refuses connections. Its regions' primaries need not
 * wait for their leases to run out before they go on without it. */
void repl_peer_down(struct repl *r, uint64_t now, repl_node node);

/* A replica as recovered from its disk: the log holds entries up to last_lsn (applied_lsn if it is
 * empty), everything up to applied_lsn is in the file and so committed. `damaged`: its log or file
 * lost something that it had promised; it leaves the config and comes back as a learner through a
 * snapshot. */
struct repl_replica *repl_open(struct repl *r, uint64_t now, uint64_t region, void *replica_ctx,
                               uint64_t last_lsn, uint64_t last_epoch, uint64_t applied_lsn,
                               uint64_t applied_epoch, bool damaged);
void repl_close(struct repl *r, struct repl_replica *p);

/* The config as read from the store or watched there; older epochs are ignored. epoch 0: the
 * region is gone. */
void repl_config_changed(struct repl *r, uint64_t now, struct repl_replica *p,
                         const struct repl_config *config);
/* The store refused the proposal of config `epoch` (somebody else was first; the new config
 * follows, or came already) or did not answer (`unknown`: it may have happened; it stays in the
 * union until a config tells, and is proposed again). */
void repl_proposal_failed(struct repl *r, uint64_t now, struct repl_replica *p, uint64_t epoch,
                          bool unknown);

/* The primary's own writes: assigns lsns (consecutive, *ret_first) and the epoch, appends and
 * sends. MS001 when not serving. */
struct error *repl_append(struct repl *r, uint64_t now, struct repl_replica *p,
                          const struct repl_entry *entries, size_t n, uint64_t *ret_first);
/* The log has everything up to lsn on disk; epoch as given to `append` for that lsn (a stale answer
 * about a replaced entry is thereby recognised). */
void repl_durable(struct repl *r, uint64_t now, struct repl_replica *p, uint64_t lsn,
                  uint64_t epoch);
/* This replica's disk failed or filled up: a primary hands over to a backup if it has one, a backup
 * asks to be removed. */
void repl_failed(struct repl *r, uint64_t now, struct repl_replica *p);
/* A snapshot was installed (or failed, ok=false: asked for again after retry_ms). Everything up to
 * lsn is in the file, and the log is to be taken as empty beyond it. */
void repl_snapshot_done(struct repl *r, uint64_t now, struct repl_replica *p, bool ok, uint64_t lsn,
                        uint64_t epoch);

/* What the master or an operator asks of a primary. MS001 elsewhere; 55006 while another change is
 * under way (ask again). Done when the config shows it. */
enum repl_change { REPL_ADD_LEARNER, REPL_REMOVE, REPL_TRANSFER /* make it primary */ };
struct error *repl_change(struct repl *r, uint64_t now, struct repl_replica *p,
                          enum repl_change what, repl_node node);

/* The config does not name this replica, and is newer than any by which a primary counts on it: the
 * caller may close it and delete its data. (An old config may come long after messages of a primary
 * of a newer one.) */
bool repl_may_drop(const struct repl_replica *p);

/* Lock-free: the replica is a serving primary and its lease holds now. Check after a read, too. */
bool repl_may_serve(const struct repl_replica *p, uint64_t now);

struct repl_peer_status {
    repl_node node;
    uint64_t durable_lsn; /* as last acknowledged */
    bool snapshot;        /* is fetching one */
};
struct repl_status {
    enum repl_role role;
    bool serving, damaged;
    bool proposing; /* a change of the config is asked for, and may yet happen */
    struct repl_config config;
    uint64_t last_lsn, durable_lsn, committed_lsn;
    uint32_t n_peers;
    struct repl_peer_status peers[REPL_MAX_COPIES + REPL_MAX_LEARNERS];
};
void repl_get_status(const struct repl *r, const struct repl_replica *p, struct repl_status *ret);
/* Milliseconds since something was heard from the node; UINT64_MAX: never. */
uint64_t repl_silence(const struct repl *r, repl_node node, uint64_t now);

/* One line about a message, for traces; the bytes may be garbage. */
void repl_describe(const void *data, size_t len, struct buf *out);

/* A mistake that a test's own build can switch on, to see whether it is found (tests/sim/mutants.c
 * and tests/consistency/mutants list them). In every other build this is 0, and the code behind it
 * is gone. */
#ifdef REPL_MUTATIONS
extern const char *repl__mutation;
#define REPL_MUTATION(name) (repl__mutation && strcmp(repl__mutation, #name) == 0)
#else
#define REPL_MUTATION(name) 0
#endif
