/*
 * sim, inside: a cluster in one process, in a world made of one seed.
 *
 *   main.c    what the user asks for: seeds, hours, how much is told
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
#include "sim/sim.h"

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

/* What kind of storm it is. */
struct knobs {
    unsigned loss, duplicates, slow, reorder; /* of 1,000 messages */
    unsigned net_us;
    uint64_t client_us, fault_us, sync_us;
    unsigned slow_sync;    /* of 1,000 */
    unsigned swap_trouble; /* of 1,000 */
    unsigned burst;        /* entries in an append */
    bool on[N_FAULTS];
    bool forgets; /* logs are recycled often */
};

struct stats {
    uint64_t seeds, steps, storms, simulated_us, skipped_us, appends, acked, committed, serving,
        takeovers, swaps, snapshots, crashes, pauses, damages, disk_failures, cuts, served_checks;
};

/* How much is told: nothing, what an operator would notice, every message and entry. */
enum level { LEVEL_QUIET, LEVEL_STORY, LEVEL_ALL };

struct sim {
    uint64_t seed, now, steps;
    uint64_t skipped; /* quiet time that passed without being simulated (run.c); not part of now */
    double hours;     /* to live */
    struct rng rng;
    enum level level;
    bool faults; /* things still break */
    bool clients;
    struct knobs knobs;
    struct repl_options repl;
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
void sim__run(uint64_t seed, double hours, enum level level, struct stats *stats);

/* main.c */
const char *sim__command(const struct sim *s); /* that replays this world */

/* world.c */
uint64_t sim__chance(struct sim *s, uint64_t n); /* 0 .. n-1 */
uint64_t sim__between(struct sim *s, uint64_t low, uint64_t high);
bool sim__likely(struct sim *s, unsigned of_1000);
struct event *event__new(enum event_kind kind, unsigned server, unsigned region);
void event__at(struct sim *s, uint64_t delay, struct event *e);
bool event__next(struct sim *s, struct event **ret);
void event__free(struct event *e);
uint64_t server__clock(const struct sim *s, const struct server *v);
bool server__paused(const struct sim *s, const struct server *v);
void server__start(struct sim *s, struct server *v);
void server__crash(struct sim *s, struct server *v, bool power);
void server__tick(struct sim *s, struct server *v);
void server__plan_tick(struct sim *s, struct server *v);
void server__message(struct sim *s, struct server *v, struct event *e);
struct replica *replica__open(struct sim *s, struct server *v, unsigned region);
void replica__close(struct sim *s, struct replica *r);
void world__free(struct sim *s);

/* disk.c */
extern const struct repl_io disk__io; /* append, truncate, read, epoch_at, commit */
uint64_t items__last(const struct items *l);
struct item *items__get(const struct items *l, uint64_t lsn);
void items__free(struct items *l);
void disk__crash(struct sim *s, struct server *v, unsigned region, bool power);
void disk__damage(struct sim *s, struct server *v, unsigned region);
void disk__recover(struct sim *s, struct replica *r);
void disk__wipe(struct disk *d);
uint64_t disk__durable(const struct disk *d);
void server__synced(struct sim *s, struct server *v);
void server__sync(struct sim *s, struct server *v);
void server__housekeeping(struct sim *s, struct server *v);
void disk__fetch_snapshot(void *ctx, repl_node from);
void snapshot__take(struct sim *s, struct event *e);
void snapshot__done(struct sim *s, struct server *v, struct event *e);
uint64_t disk__hash(uint64_t before, const struct item *i);

/* store.c */
void coord__create(struct sim *s, unsigned region);
void coord__propose(void *ctx, const struct repl_config *current, const struct repl_config *next);
void coord__swap(struct sim *s, struct event *e);
void coord__answer(struct sim *s, struct server *v, struct event *e);
void coord__deliver(struct sim *s, struct server *v, unsigned region, const struct repl_config *c);
void coord__read(struct sim *s, struct server *v);
bool coord__away(const struct sim *s, const struct server *v);
void coord__away_for(struct sim *s, struct server *v, uint64_t us);
bool config__holds(const struct repl_config *c, unsigned server); /* as primary or backup */
bool config__learner(const struct repl_config *c, unsigned server);
const char *config__text(const struct repl_config *c); /* one of a few static buffers */

/* life.c */
void life__create(struct sim *s);
void life__choose(struct sim *s);
void life__client(struct sim *s);
void life__end_clients(struct sim *s); /* while healthy */
void life__master(struct sim *s);
void life__master_asks(struct sim *s, struct server *v, struct event *e);
void life__fault(struct sim *s);
bool life__may_lose(struct sim *s, unsigned server, unsigned region);
void life__end_faults(struct sim *s);

/* check.c */
_Noreturn void sim__fail(struct sim *s, const char *format, ...) PRINTF_LIKE(2, 3);
void sim__trace(struct sim *s, const char *format, ...) PRINTF_LIKE(2, 3);
#define TRACE_FROM(from, s, ...)                                                                   \
    do {                                                                                           \
        if ((s)->level >= (from))                                                                  \
            sim__trace((s), __VA_ARGS__);                                                          \
    } while (0)
#define STORY(s, ...) TRACE_FROM(LEVEL_STORY, s, __VA_ARGS__)
#define TRACE(s, ...) TRACE_FROM(LEVEL_ALL, s, __VA_ARGS__)
void sim__trace_message(struct sim *s, unsigned from, unsigned to, const char *what,
                        const void *bytes, size_t len);
void check__entry(struct sim *s, struct replica *r, const struct item *i, uint64_t prev_epoch);
void check__commit(struct sim *s, struct replica *r, const struct item *i);
void check__swap(struct sim *s, unsigned region, unsigned by, const struct repl_config *old,
                 const struct repl_config *next);
bool check__proposing(const struct sim *s, unsigned region); /* .. or will again, some server */
void check__step(struct sim *s);
bool check__healthy(struct sim *s, unsigned *ret_region); /* or: which is not */
bool check__settled(struct sim *s, const char **ret_why);
void check__end(struct sim *s);
