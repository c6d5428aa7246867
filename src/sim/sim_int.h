/*
 * sim, inside: a cluster in one process, in a world made of one seed.
 *
 *   main.c    what the user asks for: seeds, hours, how much is told
 *   run.c     one seed from its first event to its verdict: storms, and quiet between them
 *   world.c   events, clocks, the network, servers that start, stop, crash
 *   disk.c    a server's disk, under the real log (wal/)
 *   copy.c    what a copy of a region should have on disk: the log's specification, and the file
 *   replica.c one replica: the real core (repl/) between the real log, the file, and its clients
 *   snapshot.c  a copy fetched whole
 *   coord.c   the coordination store: compare-and-swap, watches, silence
 *   client.c  clients that write and read, retry, and check what they see
 *   master.c  the master's real decisions, asked of the primaries
 *   life.c    an operator, and everything that breaks
 *   check.c   the invariants, and how a violation is reported
 *
 * Time is in microseconds; each server sees it through a clock of its own, in milliseconds. Nothing
 * here depends on addresses, real time or hash order, so that a seed always gives the same run.
 */
#pragma once

#include "repl/repl.h"
#include "sim/sim.h"
#include "wal/wal.h"

#include <stdio.h>

enum { MAX_SERVERS = 5, MAX_REGIONS = 3, MAX_CLIENTS = 8, KEYS = 4 };
enum { MS = 1000, SECOND = 1000 * 1000 };

/* ---- a disk (disk.c) ----------------------------------------------------------------------- */

enum { DISK_PAGE = 4096, DISK_INODES = 128, DISK_NAMES = 64, DISK_FDS = 96 };

struct inode {
    char *now, *durable; /* both `cap` bytes */
    char *dirty;         /* one for each page */
    size_t size, durable_size, cap;
};

struct names {
    int n;
    struct name {
        char name[24];
        int inode;
    } at[DISK_NAMES];
};

struct disk {
    struct inode inodes[DISK_INODES];
    struct names names, durable_names;
    struct names between[4]; /* states of the directory since it was synced; the last is `names` */
    int n_between;
    struct {
        bool open, sync;
        int inode;
    } fds[DISK_FDS];
    bool made, dead;
    bool refused;     /* to do something, since the process started */
    uint64_t dies_in; /* operations; 0: not soon */
    uint64_t bad_until, full_until, unreadable_until;
    int last_written; /* inode of the last synced write, and where in it */
    size_t last_offset;
};

/* ---- entries, logs, files ------------------------------------------------------------------ */

enum entry_kind { ENTRY_WRITE = 1, ENTRY_FILLER };

/* An entry, as far as it matters here: `value` is unique to what it does. */
struct item {
    uint64_t lsn, epoch, value;
    enum entry_kind kind;
    unsigned client, key; /* ENTRY_WRITE */
    uint64_t seq;
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

struct ops {
    struct op *at;
    size_t n, cap;
};

struct version {
    uint64_t value, lsn;
};

struct applied_request {
    uint64_t seq, value;
};

/* A region's file: everything up to lsn, and a hash over it in order. */
struct file {
    uint64_t lsn, epoch, hash;
    struct version keys[KEYS];
    struct applied_request requests[MAX_CLIENTS]; /* of each client the last one */
};

/* What lies on a server's disk of one region, over crashes. The log's entries are in the real log;
 * `log` is what must be found there. */
struct copy {
    bool exists;
    bool damaged;       /* lost something it had promised, and no snapshot came yet */
    bool rotten;        /* the file is, and nobody has noticed */
    struct items log;   /* synced */
    struct ops ops;     /* not synced, in order: of these some beginning may be there, too */
    struct file file;   /* as the process reads it */
    struct file synced; /* what a power cut leaves */
    bool ghost;         /* was deleted, and a power cut may bring it back as `synced` */
    bool revived;       /* that has happened */
};

/* ---- servers ------------------------------------------------------------------------------- */

/* What a client asks. */
struct request {
    unsigned client, region, key;
    uint64_t seq, value; /* of a write */
    bool write;
};

struct waiting { /* a write at a primary */
    struct request request;
    uint64_t lsn; /* where it is, once it is in the batch */
};

enum { MAX_WAITING = 32 };

struct replica {
    struct sim *sim;
    unsigned server, region;
    struct repl_replica *core; /* NULL: not open */
    struct items log;          /* what must be read back: synced or not */
    uint64_t logged_lsn, logged_epoch, syncing_lsn, syncing_epoch;
    bool unsynced;
    enum repl_role role;
    bool serving, failed, fetching;
    bool ready; /* a serving primary that has applied what is committed */
    uint64_t committed;
    uint64_t reign; /* raised when the primary's place is lost */

    /* The primary's batch: executed on a copy of the file, which takes the file's place when all of
     * it is committed. */
    bool in_flight;
    uint64_t batch_reign;
    struct file batch_file;
    uint64_t batch_last, batch_epoch;
    struct waiting batch[MAX_WAITING], queue[MAX_WAITING];
    size_t n_batch, n_queue;
};

struct sim_server {
    unsigned id;
    bool up;
    bool dying; /* its disk died under it: it is taken down when this event is over */
    bool opening;
    uint64_t incarnation;
    uint64_t paused_until;
    uint64_t store_away_until;
    uint64_t slow_disk_until;
    int64_t offset_ms; /* what its clock showed at clock_at; it runs at rate_ppm since */
    uint64_t clock_at, rate_ppm;
    struct repl *core;
    struct wal *wal;
    bool log_failed;
    uint64_t tick_at;
    bool sync_running;
    struct disk disk;
    struct replica replicas[MAX_REGIONS];
    struct copy copies[MAX_REGIONS];
    bool lost[MAX_REGIONS]; /* its disk was harmed, and it has not started since: it will notice */
    struct repl_config known[MAX_REGIONS]; /* the newest that was delivered */
    struct arena arena;                    /* entries read back, until the next read */
};

struct truth { /* what is committed at an lsn, for ever */
    struct item item;
    uint64_t hash;
};

struct sim_region {
    struct repl_config config;     /* in the store */
    repl_node former[MAX_SERVERS]; /* held it lately */
    uint32_t n_former;
    uint64_t swaps_in_flight;
    struct truth *committed; /* [lsn - 1] */
    size_t n_committed, cap_committed;
    uint64_t acked;      /* highest lsn that a client was told of */
    uint64_t seen[KEYS]; /* highest lsn of the key that a client saw the effect of */
    struct map requests; /* client, seq -> lsn, of what is committed */
    struct map values;   /* value -> lsn, the same */
    struct map named;    /* (lsn, epoch) -> what, every entry that ever was */
    bool dirty;          /* something changed that invariant 2 is about */
};

struct client {
    bool busy;
    struct request request;
    uint64_t floor;    /* the lsn that its result may not be older than */
    uint64_t deadline; /* until when it waits for an answer */
    uint64_t number;   /* of its timer */
    unsigned attempts;
    uint64_t seq;
};

/* ---- the world ----------------------------------------------------------------------------- */

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
    EV_PEER_DOWN, /* the network says that a server's process has ended */
    EV_ASK,       /* the master's request reaches a server */
    EV_HOUSEKEEPING,
    EV_REQUEST,   /* a client's reaches a server */
    EV_READ_DONE, /* a read there is over */
    EV_REPLY,     /* back at the client */
    EV_CLIENT,    /* its timer */
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
    uint64_t number, lsn;
    struct request request;
    struct file *file; /* owned */
    struct repl_config current, next;
    char *bytes; /* owned */
    size_t len;
};

struct queued {
    uint64_t at, seq;
    struct event *event;
};

enum fault {
    FAULT_CRASH,
    FAULT_POWER,   /* all at once */
    FAULT_DISK_OP, /* a crash in the middle of a disk operation */
    FAULT_PAUSE,
    FAULT_CLOCK, /* it jumps ahead, or another drift begins */
    FAULT_ONE_WAY,
    FAULT_ISOLATE,
    FAULT_STORE_AWAY,
    FAULT_STORE_DOWN,
    FAULT_SLOW_NET,
    FAULT_SLOW_DISK,
    FAULT_BAD_DISK, /* writes and fsync fail */
    FAULT_FULL_DISK,
    FAULT_BAD_READS,
    FAULT_ROT,      /* a bit turns in the log */
    FAULT_DAMAGE,   /* a region's file goes bad */
    FAULT_WIPE,     /* all of a server's data is gone */
    FAULT_OPERATOR, /* not a fault: moves, transfers, and requests that make no sense */
    N_FAULTS,
};

/* What kind of storm it is. */
struct knobs {
    unsigned loss, duplicates, slow, reorder; /* of 1,000 messages */
    unsigned net_us;
    uint64_t think_us, patience_us, fault_us, sync_us;
    unsigned clients;
    unsigned slow_sync;    /* of 1,000 */
    unsigned swap_trouble; /* of 1,000 */
    unsigned burst;        /* entries in an append */
    bool on[N_FAULTS];
    bool forgets; /* files are written back, and so logs recycled, often */
};

struct stats {
    uint64_t seeds, steps, storms, simulated_us, skipped_us;
    uint64_t appends, acked, reads, retries, duplicates, committed, serving, takeovers, swaps,
        snapshots, crashes, mid_disk, pauses, damages, disk_failures, read_errors, cuts;
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
    bool clients_on;
    struct knobs knobs;
    struct master_memory *memory; /* of the present master */
    uint64_t repair_ms;
    struct repl_options repl;
    struct wal_options wal;
    unsigned n_servers, n_regions, copies;
    uint64_t drift_ppm; /* the most that a clock is wrong */
    struct sim_server servers[MAX_SERVERS];
    struct sim_region regions[MAX_REGIONS];
    struct client clients[MAX_CLIENTS];
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
/* For this life of the server's process only. */
void event__at_process(struct sim *s, uint64_t delay, struct event *e);
bool event__next(struct sim *s, struct event **ret);
void event__free(struct event *e);
uint64_t server__clock(const struct sim *s, const struct sim_server *v);
bool server__paused(const struct sim *s, const struct sim_server *v);
void server__start(struct sim *s, struct sim_server *v);
void server__crash(struct sim *s, struct sim_server *v, bool power);
void server__restart_later(struct sim *s, struct sim_server *v);
void server__tick(struct sim *s, struct sim_server *v);
void server__plan_tick(struct sim *s, struct sim_server *v);
void server__message(struct sim *s, struct sim_server *v, struct event *e);
uint64_t net__delay(struct sim *s);
void world__free(struct sim *s);

/* disk.c */
extern const struct wal_io disk__io;
void disk__world(struct sim *s);                                     /* whose disks it is about */
void disk__restart(struct sim *s, struct sim_server *v, bool power); /* the process has ended */
bool disk__rot(struct sim *s, struct sim_server *v);
void disk__wipe(struct disk *d);

/* copy.c */
uint64_t items__last(const struct items *l);
struct item *items__get(const struct items *l, uint64_t lsn);
void items__put(struct items *l, const struct item *i);
void items__cut(struct items *l, uint64_t lsn);
void items__forget(struct items *l, uint64_t lsn);
void items__copy(struct items *to, const struct items *from);
void items__free(struct items *l);
void ops__add(struct ops *o, const struct op *op);
void item__encode(struct sim *s, const struct item *i, struct buf *out);
struct item item__decode(struct sim *s, uint64_t lsn, uint64_t epoch, const char *data,
                         uint32_t len);
void file__apply(struct file *f, const struct item *i);
void copy__synced(struct copy *c); /* all of its ops */
void copy__crash(struct sim *s, struct copy *c, bool power);
void copy__recovered(struct sim *s, struct sim_server *v, unsigned region);
void copy__lost_log(struct copy *c);
void copy__wipe(struct copy *c);
uint64_t copy__hash(uint64_t before, const struct item *i);

/* replica.c */
extern const struct repl_io replica__io; /* append, truncate, read, epoch_at, commit, role */
bool server__open(struct sim *s, struct sim_server *v); /* its log and what it holds */
void server__sync(struct sim *s, struct sim_server *v);
void server__synced(struct sim *s, struct sim_server *v);
void server__work(struct sim *s, struct sim_server *v); /* after each event there */
void server__housekeeping(struct sim *s, struct sim_server *v);
void replica__open(struct sim *s, struct sim_server *v, unsigned region, bool damaged);
void replica__request(struct sim *s, struct sim_server *v, const struct request *q);
void replica__read_done(struct sim *s, struct sim_server *v, const struct event *e);
void replica__forget(struct replica *r);
void replica__fail(struct sim *s, struct replica *r, const char *why);

/* snapshot.c */
void snapshot__fetch(void *ctx, repl_node from);
void snapshot__take(struct sim *s, struct event *e);
void snapshot__done(struct sim *s, struct sim_server *v, struct event *e);

/* coord.c */
void coord__create(struct sim *s, unsigned region);
void coord__propose(void *ctx, const struct repl_config *current, const struct repl_config *next);
void coord__swap(struct sim *s, struct event *e);
void coord__answer(struct sim *s, struct sim_server *v, struct event *e);
void coord__deliver(struct sim *s, struct sim_server *v, unsigned region,
                    const struct repl_config *c);
void coord__read(struct sim *s, struct sim_server *v);
bool coord__away(const struct sim *s, const struct sim_server *v);
void coord__away_for(struct sim *s, struct sim_server *v, uint64_t us);
bool config__holds(const struct repl_config *c, unsigned server); /* as primary or backup */
bool config__learner(const struct repl_config *c, unsigned server);
const char *config__text(const struct repl_config *c); /* one of a few static buffers */

/* client.c */
void clients__start(struct sim *s);
void clients__end(struct sim *s); /* no new requests; what is under way is brought to its end */
bool clients__done(const struct sim *s);
void client__timer(struct sim *s, const struct event *e);
void client__reply(struct sim *s, const struct request *q, bool done, uint64_t lsn);
void client__replied(struct sim *s, const struct event *e);

/* master.c */
void master__acts(struct sim *s);
void master__ask(struct sim *s, unsigned region, unsigned server, enum repl_change what,
                 unsigned node);
void master__asks(struct sim *s, struct sim_server *v, struct event *e);
void master__remember_former(struct sim_region *g, const struct repl_config *old);
void master__free(struct sim *s);

/* life.c */
void life__create(struct sim *s);
void life__choose(struct sim *s);
void life__fault(struct sim *s);
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
void check__apply(struct sim *s, struct replica *r, const struct item *i);
void check__acknowledge(struct sim *s, const struct replica *r, const struct request *q,
                        uint64_t lsn);
void check__swap(struct sim *s, unsigned region, unsigned by, const struct repl_config *old,
                 const struct repl_config *next);
bool check__proposing(const struct sim *s, unsigned region); /* .. or will again, some server */
/* May this server's copy be lost now, without going beyond what f + 1 copies promise? */
bool check__may_lose(struct sim *s, unsigned server, unsigned region);
bool check__is_last(const struct sim *s, unsigned server, unsigned region);
void check__step(struct sim *s);
bool check__healthy(struct sim *s, unsigned *ret_region); /* or: which is not */
bool check__settled(struct sim *s, const char **ret_why);
void check__end(struct sim *s);
