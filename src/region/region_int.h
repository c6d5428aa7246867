/* region, inside: what a replica consists of, and who may touch which part of it. */
#pragma once

#include "region/region.h"
#include "wal/wal.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

/* ---- the writer of a file: one owner at a time, first come first served --------------------- */

enum waiter_kind { WAIT_WRITE, WAIT_OWNER, WAIT_TRANSFER, WAIT_WORK };

struct waiter {
    struct waiter *next;
    enum waiter_kind kind;
    struct region_write *write; /* WAIT_WRITE */
    sem_t woken;
    bool leads;          /* woken to own the writer; else woken because done */
    struct error *error; /* WAIT_WRITE, done */
};

struct writer_queue {
    pthread_mutex_t mutex; /* guards all of this */
    bool busy;
    struct region_txn *txn;    /* a transaction that owns the writer and has not been revoked */
    struct region_owner owner; /* of a transaction that is not over; gateway 0: none */
    struct waiter *head, **tail;
    size_t waiting;    /* in the list */
    size_t last_batch; /* writes in the last batch: about as many are on their way again */

    /* Another server is to be the primary once it is its turn: no thread waits, whoever gives the
     * writer away sees to it. */
    struct waiter transfer;
    bool transfer_queued;
    repl_node transfer_to;
    uint64_t transfer_since;

    /* So does a worker: it is wanted again once it is its turn, and the writer is its own then. */
    struct waiter work;
    bool work_queued, work_granted;
};

/* ---- a replica ------------------------------------------------------------------------------ */

struct region_replica {
    struct regions *rs;
    uint64_t id;
    _Atomic uint32_t refs;   /* the map's own, and one for each user */
    _Atomic uint32_t users;  /* reads under way in `store`; an installing snapshot waits for none */
    _Atomic uint32_t checks; /* looks at `core` without its lock; closing it waits for none */
    _Atomic bool installing; /* `store` is being replaced: nobody new may use it */

    struct writer_queue queue;
    struct store *store; /* replaced only by its writer's owner, with no users */

    /* A primary that serves, has applied all that is committed, and has the catalog's schema. */
    _Atomic bool ready;
    _Atomic uint64_t file_schema; /* schema version of the file */
    /* Transactions that were prepared here, and those of them that are decided: while the former
     * are more, nobody begins to read. */
    _Atomic uint64_t prepared, decided;

    /* guarded by rs->core_mutex */
    struct repl_replica *core;
    enum repl_role role;
    bool serving;
    uint64_t epoch, committed, applied, applied_epoch;
    uint64_t reign; /* raised when the primary's role is lost: what was in flight is unknown then */
    bool in_flight; /* the primary's own batch or transaction will commit what comes next */
    bool gone;      /* closed; only references remain */
    bool placing;   /* a snapshot takes the file's place: it is not deleted meanwhile */
    bool leftovers; /* of a snapshot there may be, in the directory */
    struct region_fetch fetch;
    char *leaving;          /* goes in favour of the learner that is asked for in a config .. */
    uint64_t leaving_epoch; /* .. of this epoch at most; NULL: nobody */
    bool failed;            /* its disk did; `error` says how */
    uint64_t hold_until, hold_lsn; /* a follower applies no further than this lsn until then */
    char error[160];
    struct region_replica *next_unsynced, *next_soon;
    bool apply_soon; /* in rs->soon: the ticker sees to it */
    bool unsynced;   /* appended to the log and not yet reported durable: up to logged_* */
    uint64_t logged_lsn, logged_epoch, logged_position;
    pthread_cond_t changed; /* any of the above, or ready */

    /* guarded by rs->work_mutex */
    bool queued, again; /* in the work queue; changed while being worked on */
    bool retries;       /* in rs->retries */
    struct region_replica *next_work, *next_retry;

    /* only the worker that holds the writer */
    uint64_t apply_next; /* next lsn to apply, when parts are open */
    bool parts_open;     /* parts of a transaction are applied in the open SQLite transaction */
    struct buf fragments;
    struct region_doubt doubt; /* what the open parts are, once they are prepared; region 0: not */

    _Atomic bool touched; /* used since upkeep's last look */
    _Atomic bool awake;   /* in rs's list; changed under rs->awake_mutex, which guards the links */
    struct region_replica *next_awake, *prev_awake;

    unsigned quiet; /* looks in a row that found it unused; also under awake_mutex */
    /* only upkeep */
    struct store_request *old_requests; /* that there were in old_round; NULL: it has not looked */
    size_t n_old_requests;
    unsigned old_round;
    uint64_t quiet_bytes; /* of SQLite's WAL at the last look */
    int64_t file_bytes;   /* -1: not known */

    uint64_t config_revision; /* last given to the core; only under rs->syncing */
    _Atomic bool told_lost;   /* its record was lost; changed only under rs->syncing */
    bool described;           /* the file has minisql_records; only who owns the writer */
    /* What the primary's file was brought to, by this view or one before it: see schema.c. NULL:
     * not known. A reference; only who owns the writer. */
    const struct catalog_view *matched;
};

/* A config to be swapped in the store. */
struct proposal {
    struct proposal *next;
    struct region_replica *replica; /* a reference */
    struct repl_config next_config;
    char *leaving;            /* who goes in favour of its new learner; NULL: as the record says */
    struct region_swap *swap; /* the proposer's, while it runs; NULL: too late */
};

struct link; /* an outgoing connection */

struct node {
    char *name;
    struct link *control, *data; /* NULL for ourselves, and until something is sent */
};

struct region_link {
    struct regions *rs;
    repl_node from;
};

/*
 * Locks, in the order in which they may be taken:
 *   queue.mutex (of a replica)  |  map_lock  ->  core_mutex  ->  a link's mutex, work_mutex,
 *   awake_mutex, proposal_mutex, doubt_mutex
 * core_mutex is never held over I/O: what is to be sent is put in the links' buffers
 * and flushed after it is released.
 */
struct regions {
    char *name, *dir;
    struct catalog *catalog;
    uint64_t cluster, incarnation;
    struct wal *wal;

    pthread_rwlock_t map_lock; /* guards `map` */
    struct map map;            /* region id -> struct region_replica */

    pthread_mutex_t
        core_mutex; /* guards everything down to `unsynced`, and what says so in replicas */
    struct repl *core;
    struct repl_options options;
    struct node nodes[REPL_MAX_NODES];
    uint32_t n_nodes;
    uint64_t dirty_control, dirty_data; /* bit n: node n's link has unflushed bytes */
    struct region_replica *unsynced, *soon;
    struct arena read_arena; /* entries read back for lagging peers, until the next read */
    struct error *log_error; /* why the log takes nothing any more; NULL: it does */
    bool opening;            /* regions_open is on its way */

    pthread_mutex_t work_mutex; /* guards the queue */
    pthread_cond_t work_cond;
    struct region_replica *work_head, **work_tail;
    struct region_replica *retries; /* their work failed: upkeep wants it again */

    pthread_mutex_t doubt_mutex; /* guards both; region id -> itself */
    struct map in_doubt;         /* has a prepared transaction */
    struct map deciding;         /* may have decisions */
    _Atomic size_t n_in_doubt;

    pthread_mutex_t awake_mutex; /* guards the list */
    struct region_replica *first_awake, *last_awake;
    size_t n_awake, max_awake;
    _Atomic size_t closed; /* since memory was given back */

    /* only upkeep */
    uint64_t published; /* the view's revision when it last did */
    bool all_counted, told_failed;
    size_t count_from;              /* the table where counting goes on: there was no time for it */
    pthread_mutex_t proposal_mutex; /* guards the list */
    pthread_cond_t proposal_cond;
    struct proposal *proposals, **proposals_tail;

    pthread_mutex_t sync_mutex; /* guards sync_wanted */
    pthread_cond_t sync_cond;
    bool sync_wanted;
    pthread_mutex_t syncing; /* held while following a view; taken before map_lock; guards .. */
    const struct catalog_view *followed; /* last; NULL: none yet */
    bool follow_all; /* something was left undone: look at every region next time */

    _Atomic bool disk_failed; /* some replica's, or the log's; until the next regions_open */
    _Atomic bool disk_back;   /* and now works again */

    _Atomic bool stopping;
    _Atomic int snapshots;      /* threads that fetch one */
    _Atomic int fetching;       /* of them, those whose turn it is */
    _Atomic int sending;        /* snapshots for others */
    uint64_t snapshot_rate;     /* bytes a second for all that are sent; 0: no limit */
    pthread_mutex_t pace_mutex; /* guards paced_until_us: what was sent so far is paid for then */
    uint64_t paced_until_us;
    pthread_t threads[16];
    int n_threads;
};

/* replica.c, config.c, regions.c */
struct repl_io region__io(struct regions *rs);
/* A replica of a region that names this server now; a reference, or NULL (tried again at the next
 * change). */
struct region_replica *region__create(struct regions *rs, const struct region *record);
/* A mark beside the file that it is damaged, for as long as no snapshot has taken its place: the
 * next start has to know. */
struct error *region__mark_damaged(struct regions *rs, uint64_t id);
void region__unmark_damaged(struct regions *rs, uint64_t id);
/* Takes it out of the core. It must be out of the map. */
void region__retire(struct region_replica *p);
struct region_replica *region__get(struct regions *rs, uint64_t id); /* a reference, or NULL */
struct error *region__find(struct regions *rs, uint64_t id,
                           struct region_replica **ret); /* the same, or MS001 */
void region__put(struct region_replica *p);
void region__lock(struct regions *rs);                        /* core_mutex */
void region__unlock(struct regions *rs);                      /* and flushes the links */
repl_node region__node(struct regions *rs, const char *name); /* core_mutex held */
/* Syncs the log for whoever has appended, and tells the core. Not to be called with a lock held. */
void region__sync_log(struct regions *rs);
/* The disk let this replica down: log, stop serving, hand over. No lock held. */
void region__fail(struct region_replica *p, const struct error *e);
/* The same, for whoever met the error while using the replica. Takes e, returns what to tell: MS001
 * where another server has a copy and takes over, else e. */
struct error *region__give_up(struct region_replica *p, struct error *e);
bool region__is_disk_error(const struct error *e);
struct error *region__not_primary(struct region_replica *p);
/* Waits until something of the replica changes, at most so long. core_mutex is held. */
void region__wait_changed(struct region_replica *p, uint64_t ms);
/* Waits (up to wait_ms) until the replica may serve at this schema version. */
struct error *region__await_ready(struct region_replica *p, uint64_t schema_version,
                                  unsigned wait_ms);

/* Follows the catalog: configs, new replicas, dropped ones. */
void region__follow(struct regions *rs);
void *region__syncer(void *rs);
void *region__proposer(void *rs);
/* Closes a replica for good, and deletes what it has on disk. */
void region__drop(struct region_replica *p, const char *why);
/* References to all replicas; the caller puts each and frees the array. */
struct region_replica **region__all(struct regions *rs, size_t *ret_n);
/* Enters and leaves p->store for something that is neither a read at the primary nor the writer's.
 */
bool region__enter_store(struct region_replica *p);
void region__leave_store(struct region_replica *p);

/* link.c */
void region__send(void *ctx, repl_node to, bool urgent, const void *data, size_t len);
void region__flush_links(struct regions *rs, uint64_t control, uint64_t data);
void region__close_links(struct regions *rs);
/* Opens an internal connection to a server and runs a command that starts a copy. NULL with an
 * error. */
struct pg_conn;
struct error *region__connect(struct regions *rs, const char *server, const char *command,
                              struct pg_conn **ret);

/* write.c */
struct error *region__own(struct region_replica *p, const _Atomic bool *cancel);
bool region__try_own(struct region_replica *p);
bool region__own_within(struct region_replica *p, unsigned ms);
/* For a worker: false: it is wanted again once it is its turn. */
bool region__own_for_work(struct region_replica *p);
void region__disown(struct region_replica *p);
/* Makes another member the primary, between two transactions: those that are under way, and those
 * that wait for the writer already, come first. After a few seconds (region__hurry) or with `now`
 * it is done in their midst. What comes of it, the config shows. */
void region__transfer(struct region_replica *p, repl_node to, bool now);
void region__hurry(struct region_replica *p);
/* Takes the writer back from a transaction that idles at a primary which is none any more. */
void region__revoke(struct region_replica *p);
/* The same at a primary, of the transaction that would commit under the request. */
void region__end_idle(struct region_replica *p, const struct store_request *request);
/* The transaction that would commit under it goes on. (A schema change commits under another slot:
 * see exec__draft_request.) */
bool region__is_under_way(struct region_replica *p, const struct store_request *request);
/* Logs entries as the primary and waits until they are committed everywhere. The writer is owned.
 */
struct error *region__replicate(struct region_replica *p, const struct repl_entry *entries,
                                size_t n, uint64_t *ret_last, uint64_t *ret_epoch);
/* Appends an ABORT to parts that were logged and never finished; the writer is owned and idle. */
struct error *region__log_abort(struct region_replica *p);
/* After a commit of the file: which schema it is at. */
void region__see_schema(struct region_replica *p);
/* Runs DDL and logs it; sets the schema version. The writer is owned by the caller. */
struct error *region__run_ddl(struct region_replica *p, const char *sql, uint64_t schema_version);

struct payload;

/* A transaction that owns the writer. */
struct region_txn {
    struct region_replica *replica;
    uint64_t reign;
    uint64_t last, epoch;  /* of the parts logged so far; 0: none */
    bool entered, revoked; /* guarded by the replica's queue.mutex */
    bool owned;            /* it is the queue's owner */
    bool prepared;         /* nobody's but the replica's: it waits for `doubt` to be decided */
    struct region_doubt doubt;
    const struct catalog_view *matched; /* as the replica's, of the file in this transaction */
};
/* False: it was revoked; what it did is gone and the writer is not its own. */
bool region__txn_retake(struct region_txn *t);
/* MS001 when the primary was lost since it began. */
struct error *region__txn_check(struct region_txn *t);
/* Logs an entry behind the rows that were changed, and what was changed. */
struct error *region__txn_log(struct region_txn *t, struct payload *payload);
/* It could not be logged: whether it was, a worker sees. */
void region__txn_unknown(struct region_txn *t);
struct error *region__commit_file(struct region_replica *p, uint64_t last, uint64_t epoch);
void region__txn_abort(struct region_txn *t); /* and frees it */
void region__txn_free(struct region_txn *t);

/* span.c */
/* The open SQLite transaction is what p->doubt says: it becomes one that waits for its decision,
 * and takes over the writer that the caller owns. */
void region__adopt_prepared(struct region_replica *p, uint64_t reign);
/* Waits until what was prepared when it was called is decided; MS001 after wait_ms. */
struct error *region__await_decision(struct region_replica *p, unsigned wait_ms);
/* One that was prepared is over, well or badly. */
void region__prepared_ends(struct region_replica *p);
/* The file may have decisions. */
void region__note_decisions(struct region_replica *p);
/* Does it, at a primary that becomes ready? */
void region__look_for_decisions(struct region_replica *p);

/* work.c */
void region__want_work(struct region_replica *p); /* any lock but work_mutex may be held */
void region__retry_work(struct regions *rs);
void *region__worker(void *rs);
struct error *region__forget_parts(struct region_replica *p);

/* schema.c */
/* Since `matched`, where it is known. *ret_match: once the text has run, `view` may be taken for
 * `matched`. */
struct error *region__schema_changes(struct region_replica *p, const struct catalog_view *matched,
                                     const struct catalog_view *view, struct buf *ret_sql,
                                     bool *ret_match);
void region__set_matched(const struct catalog_view **at, const struct catalog_view *view);
/* Does the file carry the catalog's records of its tables? Those of older versions don't. */
bool region__is_described(struct region_replica *p);

/* snapshot_fetch.c */
void region__fetch_snapshot(struct region_replica *p, const char *from);
/* Deletes what an unfinished snapshot left, and the damaged file that one has replaced. */
void region__clear_leftovers(struct region_replica *p);

/* upkeep.c */
/* To be called by whoever is about to use the replica's file: it is closed after a while without.
 */
void region__touch(struct region_replica *p);
void region__leave_awake(struct region_replica *p); /* of a replica that goes */
/* When the log is longer, what holds back its oldest part is checkpointed; tests make it small. */
extern uint64_t region__log_bytes;
size_t region__max_awake(void); /* by the process' limit of open files */
void *region__upkeep(void *rs);

/* requests.c */
void region__fold_requests(struct region_replica *p, unsigned round);
extern unsigned region__old_rounds; /* tests make them small */
extern size_t region__many_requests;

/* inspect.c */
typedef struct json_t json_t;
json_t *region__contents_json(const struct store_contents *c);
struct error *region__emit_json(json_t *object, region_emit_fn *emit, void *ctx);
void region__put_file_facts(json_t *object, const char *dir, uint64_t region);

/* payload.c: what an entry says */
enum payload_kind {
    PAYLOAD_WRITE = 1,
    PAYLOAD_PART,
    PAYLOAD_FRAGMENT,
    PAYLOAD_ABORT,
    PAYLOAD_DDL,
    PAYLOAD_PREPARE,
};

struct payload {
    enum payload_kind kind;
    bool has_request;
    struct store_request request;
    const char *result;
    uint32_t result_len;
    uint64_t schema_version;  /* PAYLOAD_DDL */
    uint64_t decider;         /* PAYLOAD_PREPARE: the region that knows what comes of the request */
    const char *participants; /* of a WRITE that decides: u64 each; NULL: it doesn't */
    uint32_t n_participants;
    const char *body; /* row changes, or DDL text */
    size_t body_len;
};
void payload_encode(const struct payload *p, struct buf *out);
struct error *payload_decode(const void *data, size_t len, struct payload *ret);
