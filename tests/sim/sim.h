/*
 * sim: a cluster of replication cores in one process, in a world made of one seed.
 *
 *   sim.c     the program: seeds, mutations, what is printed
 *   run.c     one seed from its first event to its verdict
 *   world.c   events, clocks, the network, servers that start, stop, crash
 *   disk.c    a server's log and its files, what a crash leaves of them; repl_io's disk side
 *   store.c   the coordination store: compare-and-swap, watches, silence
 *   life.c    what goes on: clients, a master, and everything that breaks
 *   check.c   the invariants, and how a violation is reported
 *
 * Time is in microseconds; each server sees it through a clock of its own, in milliseconds. Nothing
 * here depends on addresses, real time or hash order, so that a seed always gives the same run.
 */
#pragma once

#include "repl/repl.h"

#include <stdio.h>

enum { MAX_SERVERS = 5, MAX_REGIONS = 3, MAX_DATA = 48 };
enum { MS = 1000, SECOND = 1000 * 1000 };

/* ---- a log and a file --------------------------------------------------------------------------
 */

struct item {
    uint64_t lsn, epoch, value;
    uint32_t len;
    char data[MAX_DATA]; /* begins with the value */
};

/* Entries base + 1 .. base + n. */
struct items {
    uint64_t base;
    struct item *at;
    size_t n, cap;
};

struct op { /* cut: everything above item.lsn goes */
    bool cut;
    struct item item;
};

/* All content up to lsn, by a hash over it in order. */
struct file {
    uint64_t lsn, epoch, hash;
};

/* What lies on a server's disk of one region, over crashes. */
struct disk {
    bool exists;
    bool damaged;       /* lost something it had promised, and no snapshot came yet */
    struct items log;   /* synced */
    struct file file;   /* as the process reads it */
    struct file synced; /* what a power cut leaves */
};

/* ---- servers
 * ------------------------------------------------------------------------------------- */

struct write {
    uint64_t lsn, value;
};

struct replica {
    struct sim *sim;
    unsigned server, region;
    struct repl_replica *core; /* NULL: not open */
    struct items log;          /* as read back: synced or not */
    struct op *ops;            /* not synced yet, in order */
    size_t n_ops, cap_ops;
    size_t syncing; /* how many of them the running sync covers */
    struct write *writes;
    size_t n_writes, cap_writes; /* appended in this stint, not committed yet */
    enum repl_role role;
    bool serving, failed, fetching;
    uint64_t applied_at_open; /* of the file: it never goes below */
};

struct server {
    unsigned id;
    bool up;
    uint64_t incarnation;
    uint64_t paused_until;
    uint64_t store_away_until;
    uint64_t slow_disk_until;
    int64_t offset_ms; /* of its clock */
    uint64_t rate_ppm;
    struct repl *core;
    uint64_t tick_at;
    bool sync_running;
    struct replica replicas[MAX_REGIONS];
    struct disk disks[MAX_REGIONS];
    struct repl_config known[MAX_REGIONS]; /* the newest that was delivered */
};

struct truth { /* what is committed at an lsn, for ever */
    uint64_t epoch, value, hash;
};

struct region {
    struct repl_config config; /* in the store */
    uint64_t swaps_in_flight;
    struct truth *committed; /* [lsn - 1] */
    size_t n_committed, cap_committed;
    uint64_t acked; /* highest lsn that a client was told of */
    uint64_t acked_writes;
    struct map named; /* (lsn, epoch) -> struct item *, every entry that ever was */
    bool dirty;       /* something changed that invariant 2 is about */
};

/* ---- the world
 * ------------------------------------------------------------------------------------ */

enum event_kind {
    EV_TICK,
    EV_MESSAGE,
    EV_SYNCED,
    EV_SWAP,   /* arrives at the store */
    EV_ANSWER, /* arrives back */
    EV_WATCH,
    EV_READ_STORE,
    EV_SNAPSHOT_TAKE,
    EV_SNAPSHOT_DONE,
    EV_DISK_FAILED,
    EV_PEER_DOWN, /* the network says that a server's process has ended */
    EV_ASK,       /* the master's request reaches a server */
    EV_HOUSEKEEPING,
    EV_CLIENT,
    EV_MASTER,
    EV_FAULT,
    EV_RESTART,
};

enum answer { ANSWER_DONE, ANSWER_REFUSED, ANSWER_UNKNOWN };

struct event {
    enum event_kind kind;
    unsigned server, region, from;
    uint64_t incarnation; /* of the server; 0: whichever runs */
    enum answer answer;
    enum repl_change change;
    bool flag;
    struct file file;
    struct repl_config current, next;
    char *bytes;
    size_t len;
};

struct queued {
    uint64_t at, seq;
    struct event *event;
};

enum fault {
    FAULT_CRASH,
    FAULT_POWER, /* all at once */
    FAULT_PAUSE,
    FAULT_ONE_WAY,
    FAULT_ISOLATE,
    FAULT_STORE_AWAY,
    FAULT_STORE_DOWN,
    FAULT_SLOW_NET,
    FAULT_SLOW_DISK,
    FAULT_DISK_FAILS,
    FAULT_DAMAGE,
    FAULT_OPERATOR, /* not a fault: moves, transfers, and requests that make no sense */
    N_FAULTS,
};

/* What kind of world a seed makes. */
struct knobs {
    unsigned loss, duplicates, slow, reorder; /* of 1,000 messages */
    unsigned net_us;
    uint64_t client_us, fault_us, sync_us;
    unsigned slow_sync;    /* of 1,000 */
    unsigned swap_trouble; /* of 1,000 */
    unsigned burst;        /* entries in an append */
    bool on[N_FAULTS];
    bool forgets; /* logs are recycled often */
    struct repl_options repl;
};

struct stats {
    uint64_t seeds, steps, simulated_us, appends, acked, committed, serving, takeovers, swaps,
        snapshots, crashes, pauses, damages, disk_failures, cuts, served_checks;
};

struct sim {
    uint64_t seed, now, steps, max_steps;
    struct rng rng;
    bool trace;
    bool faults; /* things still break */
    bool clients;
    struct knobs knobs;
    unsigned n_servers, n_regions, copies;
    struct server servers[MAX_SERVERS];
    struct region regions[MAX_REGIONS];
    uint64_t blocked_until[MAX_SERVERS][MAX_SERVERS]; /* [from][to] */
    uint64_t last_arrival[MAX_SERVERS][MAX_SERVERS];
    uint64_t slow_net_until;
    uint64_t next_value, next_incarnation, checks;
    struct queued *queue;
    size_t n_queue, cap_queue;
    uint64_t seq;
    struct stats *stats;
};

/* run.c */
void sim_run(uint64_t seed, uint64_t steps, bool trace, struct stats *stats);

/* world.c */
uint64_t chance(struct sim *s, uint64_t n); /* 0 .. n-1 */
uint64_t between(struct sim *s, uint64_t low, uint64_t high);
bool likely(struct sim *s, unsigned of_1000);
struct event *event_new(enum event_kind kind, unsigned server, unsigned region);
void at(struct sim *s, uint64_t delay, struct event *e);
bool next_event(struct sim *s, struct event **ret);
void event_free(struct event *e);
uint64_t server_clock(const struct sim *s, const struct server *v);
bool paused(const struct sim *s, const struct server *v);
void server_start(struct sim *s, struct server *v);
void server_crash(struct sim *s, struct server *v, bool power);
void server_tick(struct sim *s, struct server *v);
void server_plan_tick(struct sim *s, struct server *v);
void server_message(struct sim *s, struct server *v, struct event *e);
struct replica *replica_open(struct sim *s, struct server *v, unsigned region);
void replica_close(struct sim *s, struct replica *r);
void world_free(struct sim *s);

/* disk.c */
extern const struct repl_io disk_io; /* append, truncate, read, epoch_at, commit */
uint64_t items_last(const struct items *l);
struct item *items_get(const struct items *l, uint64_t lsn);
void items_free(struct items *l);
void disk_crash(struct sim *s, struct server *v, unsigned region, bool power);
void disk_damage(struct sim *s, struct server *v, unsigned region);
void disk_recover(struct sim *s, struct replica *r);
void disk_wipe(struct disk *d);
uint64_t disk_durable(const struct disk *d);
void server_synced(struct sim *s, struct server *v);
void server_sync(struct sim *s, struct server *v);
void server_housekeeping(struct sim *s, struct server *v);
void disk_fetch_snapshot(void *ctx, repl_node from);
void snapshot_take(struct sim *s, struct event *e);
void snapshot_done(struct sim *s, struct server *v, struct event *e);
uint64_t file_hash(uint64_t before, const struct item *i);

/* store.c */
void store_create(struct sim *s, unsigned region);
void store_propose(void *ctx, const struct repl_config *current, const struct repl_config *next);
void store_swap(struct sim *s, struct event *e);
void store_answer(struct sim *s, struct server *v, struct event *e);
void store_deliver(struct sim *s, struct server *v, unsigned region, const struct repl_config *c);
void store_read(struct sim *s, struct server *v);
bool store_away(const struct sim *s, const struct server *v);
void store_away_for(struct sim *s, struct server *v, uint64_t us);
bool config_holds(const struct repl_config *c, unsigned server); /* as primary or backup */
bool config_learner(const struct repl_config *c, unsigned server);
const char *config_text(const struct repl_config *c); /* one of a few static buffers */

/* life.c */
void life_choose(struct sim *s);
void client_acts(struct sim *s);
void clients_end(struct sim *s); /* while healthy */
void master_acts(struct sim *s);
void master_asks(struct sim *s, struct server *v, struct event *e);
void fault_acts(struct sim *s);
bool life_may_lose(struct sim *s, unsigned server, unsigned region);
void faults_end(struct sim *s);

/* check.c */
_Noreturn void sim_fail(struct sim *s, const char *format, ...) PRINTF_LIKE(2, 3);
void trace(struct sim *s, const char *format, ...) PRINTF_LIKE(2, 3);
#define TRACE(s, ...)                                                                              \
    do {                                                                                           \
        if ((s)->trace)                                                                            \
            trace((s), __VA_ARGS__);                                                               \
    } while (0)
void trace_message(struct sim *s, unsigned from, unsigned to, const char *what, const void *bytes,
                   size_t len);
void check_entry(struct sim *s, struct replica *r, const struct item *i, uint64_t prev_epoch);
void check_commit(struct sim *s, struct replica *r, const struct item *i);
void check_swap(struct sim *s, unsigned region, unsigned by, const struct repl_config *old,
                const struct repl_config *next);
bool check_proposing(const struct sim *s, unsigned region); /* .. or will again, some server */
void check_step(struct sim *s);
bool check_healthy(struct sim *s, unsigned *ret_region); /* or: which is not */
bool check_settled(struct sim *s, const char **ret_why);
void check_end(struct sim *s);
