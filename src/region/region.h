/*
 * region: the replicas that this server holds, each a replication core (repl/), a file (store/) and
 * a part of the log (wal/), wired to threads, sockets and the catalog.
 *
 * Callers (exec/) read and write regions here when this server is their primary; the gateway hands
 * in what peers send. Everything may block; everything is thread-safe except a single region_read
 * or region_txn, which belongs to one thread at a time.
 *
 * Errors that callers handle: MS001 this server is not the region's (serving) primary: look at the
 * catalog and go there, or wait; for a write, the outcome is unknown unless `ret_unknown` says
 * otherwise, so retry under the same request id. MS002 the caller's schema version is older than
 * the region's.
 */
#pragma once

#include "catalog/catalog.h"
#include "repl/repl.h"
#include "store/store.h"

struct regions; /* all of this server's */

struct regions_options {
    const char *name; /* of this server */
    const char *dir;  /* data directory; exists */
    struct catalog *catalog;
    struct repl_options repl;
    uint64_t snapshot_rate; /* bytes a second for snapshots that are sent; 0: no limit */
};

/* Recovers the log and all files, then takes part. XX001, 58030, 53100 with what to do. */
struct error *regions_open(const struct regions_options *o, struct regions **ret);
/* Makes a backup the primary where one is ready, waiting up to timeout_ms. Incoming links must
 * still be served; close follows once they have ended. */
void regions_hand_over(struct regions *r, unsigned timeout_ms);
/* Hands primaries over where a backup is ready (up to timeout_ms), checkpoints, closes. */
void regions_close(struct regions *r, unsigned timeout_ms);
/* The disk was full or failed, so that copies here stopped, and works again: time to close all of
 * it and open it anew. What a failed write has left on the disk, only a recovery can tell. */
bool regions_want_reopening(struct regions *r);

/* ---- reading ------------------------------------------------------------------------------ */

struct region_read {
    struct store_conn *conn; /* a reader: store_prepare etc. */
    struct store *store;
    struct region_replica *replica;
};
/* schema_version: the least that the file must be at (waits a little for it to get there); a newer
 * file is MS002. */
struct error *region_read_begin(struct regions *r, uint64_t region, uint64_t schema_version,
                                struct region_read *ret);
/* How the read ended, NULL: well. Before the rows are answered: MS001 unless the lease still holds,
 * so that they are not stale. A file that can't be read is given up, where another server has a
 * copy: MS001, too. */
struct error *region_read_check(const struct region_read *read, struct error *e);
void region_read_end(struct region_read *read);

/* How long to wait for a region's writer; all 0: for as long as it takes. */
struct region_patience {
    const _Atomic bool *cancel; /* NULL: none. Then 57014 */
    uint64_t timeout_ms;        /* then 55P03 */
    bool nowait;                /* not for a transaction that has it: 55P03 */
};

/* ---- writing: one autocommit statement ---------------------------------------------------- */

struct region_write {
    uint64_t region;
    uint64_t schema_version;
    struct store_request request; /* who asks, for the nth time or not */
    /* Runs the statement with store_prepare(store_writer(s), ..). Called from the
     * thread that leads the batch while the caller waits, and again when another statement of the
     * batch was cancelled. What it puts in `result` is stored with the request
     * and given to a retry. */
    struct error *(*run)(void *ctx, struct store *s, struct buf *result);
    void *ctx;
    struct region_patience patience;
    struct buf result; /* filled when region_write succeeds, by run or from the stored request;
                          buf_done is the caller's */
    bool logged;       /* also when it fails: it may yet be committed */
};
/* Returns when the write is durable on all copies and committed. */
struct error *region_write(struct regions *r, struct region_write *w);

/* ---- writing: a transaction --------------------------------------------------------------- */

/* Whose transaction it is: the request that it will commit under, if it does, and the server that
 * its session is at. */
struct region_owner {
    struct store_request request;
    char server[CATALOG_NAME_MAX + 1];
};

/* Holds the region's writer until commit or rollback; others wait, as they have patience (NULL: for
 * as long as it takes). A transaction larger than 1 MiB is logged in parts while it runs. owner
 * NULL: nobody will ask what became of it. */
struct region_txn;
struct error *region_txn_begin(struct regions *r, uint64_t region, uint64_t schema_version,
                               const struct region_owner *owner,
                               const struct region_patience *patience, struct region_txn **ret);
/* Whose transaction holds the region's writer here now; gateway 0: nobody's. */
struct error *region_get_owner(struct regions *r, uint64_t region, struct region_owner *ret);
/* Between enter and leave the transaction is the caller's: each statement, savepoint and commit's
 * preparation happens there. Outside, when the primary loses its place, the region takes its writer
 * back, and enter says MS001 from then on. */
struct error *region_txn_enter(struct region_txn *t) MUST_CHECK;
void region_txn_leave(struct region_txn *t);
struct store *
region_txn_store(struct region_txn *t); /* open; use marks for savepoints. Entered only */
/* Call after each statement (or some thousand rows of a COPY): logs what is large. MS001 when the
 * primary was lost: roll back. */
struct error *region_txn_progress(struct region_txn *t);
/* Schema changes as parts of the transaction, in their order with its row changes. Brings the file
 * to the schema that `view` has for the region, and to its version. */
struct error *region_txn_schema(struct region_txn *t, const struct catalog_view *view);
/* Runs DDL ahead of that, which may fail: 23505. */
struct error *region_txn_ddl(struct region_txn *t, const char *sql);
/* Frees t, whatever comes back. On MS001 the outcome is unknown: ask region_request_applied at the
 * new primary. */
struct error *region_txn_commit(struct region_txn *t, const struct store_request *request);
void region_txn_rollback(struct region_txn *t);
/* Has this request been applied? At a serving primary. Waits for the transaction that writes now.
 */
struct error *region_request_applied(struct regions *r, uint64_t region,
                                     const struct store_request *request, bool *ret);
/* The same, of one that has an owner: waits for it alone, not for whoever writes next; after
 * wait_ms 57P03. */
struct error *region_request_decided(struct regions *r, uint64_t region,
                                     const struct store_request *request, unsigned wait_ms,
                                     bool *ret);

/* ---- writing: a transaction over several regions (region/span.c) ----------------------------- */

/* Everywhere but in the region that decides: logs what the transaction did, so that it can be
 * committed whatever happens to this server, and holds the writer for it until region_decide.
 * Frees t, whatever comes back. *ret false: there was nothing to log, and nothing is held any more.
 * On MS001 it may be prepared at the next primary. */
struct error *region_txn_prepare(struct region_txn *t, uint64_t decider, bool *ret);
/* In the region that decides, after that: region_txn_commit, which keeps with the request who waits
 * for it. */
struct error *region_txn_decide(struct region_txn *t, const struct store_request *request,
                                const uint64_t *participants, size_t n);
/* Ends what was prepared for the request; nothing when it was ended already. MS001: as long as it
 * fails, the region waits. */
struct error *region_decide(struct regions *r, uint64_t region, const struct store_request *request,
                            bool commit);

/* What is prepared here and not decided. */
struct region_doubt {
    uint64_t region, decider;
    struct store_request request;
    uint64_t since; /* clock_ms */
    bool adopted;   /* from another primary: its gateway may be gone */
};
size_t regions_in_doubt(struct regions *r, struct region_doubt *ret,
                        size_t max); /* cheap if none */
/* Of one region, at its serving primary; ret->region 0: none. */
struct error *region_in_doubt(struct regions *r, uint64_t region, struct region_doubt *ret);
enum region_outcome { OUTCOME_OPEN, OUTCOME_COMMITTED, OUTCOME_NONE };
/* What the region has decided; OUTCOME_NONE: nothing, and it never will. OPEN: its transaction goes
 * on; unless `end`, which ends it when it idles. */
struct error *region_outcome(struct regions *r, uint64_t region,
                             const struct store_request *request, bool end,
                             enum region_outcome *ret);
/* Regions here that may hold decisions. */
size_t regions_deciding(struct regions *r, uint64_t *ret, size_t max);
/* What one holds, at its primary. */
struct error *region_get_decisions(struct regions *r, uint64_t region, size_t most, struct arena *a,
                                   struct store_decision **ret, size_t *ret_n);
/* All participants know. 55006: the region is being written to. */
struct error *region_forget_decisions(struct regions *r, uint64_t region,
                                      const struct store_decision *decisions, size_t n);

/* ---- schema, membership ------------------------------------------------------------------- */

/* Runs DDL through the log at the primary, ahead of the catalog (CREATE INDEX, which may fail:
 * 23505). The file has to be at least at this version of the schema, which is waited for: its table
 * may have been made a moment ago. */
struct error *region_ddl(struct regions *r, uint64_t region, uint64_t schema_version,
                         const char *sql);
/* What a master or operator asks of this server as the primary (repl_change); `server` by name. */
struct error *region_change(struct regions *r, uint64_t region, enum repl_change what,
                            const char *server);
/* Asks of this server as the primary to add a learner on `to`, in whose favour the member `from`
 * goes once it is complete: both are in the region's record from the same moment on, and the master
 * does the rest. When the learner is given up instead, `from` stays. */
struct error *region_move(struct regions *r, uint64_t region, const char *from, const char *to);

/* ---- what peers send (the gateway's internal sessions) ------------------------------------ */

/* An incoming link from a peer: give each message, then say when no more input is at hand, so that
 * the log is synced once for all of them and answers go out. */
struct region_link;
struct error *region_link_open(struct regions *r, const char *peer, struct region_link **ret);
void region_link_receive(struct region_link *l, const void *data, size_t len);
void region_link_idle(struct region_link *l);
void region_link_close(struct region_link *l);
/* Sends the region's file to a learner. MS001; 55006 when others are being sent: come again. */
struct region_snapshot_wire {
    void *ctx;
    /* One message; sent at once. */
    struct error *(*emit)(void *ctx, const void *data, size_t len);
    /* The next message of the peer, borrowed until the next call; *ret_end: it has said all. */
    struct error *(*receive)(void *ctx, const char **ret, size_t *ret_len, bool *ret_end);
};
struct error *region_send_snapshot(struct regions *r, uint64_t region,
                                   const struct region_snapshot_wire *wire);

/* How outgoing connections to a peer are made: libpq to its address, with
 * options='-c minisql.internal=<our name>', then the simple query "LINK control" or "LINK data"
 * or "SNAPSHOT <region>", which are answered with CopyBothResponse. */

/* ---- looking -------------------------------------------------------------------------------- */

/* A snapshot on its way to this server. */
enum region_fetch_state {
    REGION_FETCH_NONE,
    REGION_FETCH_WAITING,   /* for its turn */
    REGION_FETCH_PREPARING, /* what is here already is looked through */
    REGION_FETCH_RECEIVING,
    REGION_FETCH_COMPARING, /* the last pass: what has changed meanwhile */
    REGION_FETCH_INSTALLING,
};
struct region_fetch {
    enum region_fetch_state state;
    uint64_t done, total; /* bytes of the file, in this state */
    uint64_t rate;        /* bytes of the file a second */
    uint64_t received;    /* bytes over the network, compressed */
    char error[160];      /* why the last attempt failed; "" normally */
    uint64_t not_before;  /* when the next one may begin */
    unsigned wait_ms;
    uint64_t done_before; /* how far the last attempt came */
};

struct region_status {
    uint64_t region;
    struct repl_status repl;
    uint64_t applied_lsn;
    int64_t bytes;
    struct region_fetch fetch;
    char error[160]; /* why it stands still; "" normally */
};
/* Of one replica here; false: there is none. */
bool region_get_status(struct regions *r, uint64_t region, struct region_status *ret);
/* Rows of a table as last counted (a second old at most); -1: not held here. Cheap. */
int64_t region_row_count(struct regions *r, uint64_t region, const char *table);

/* ---- inspecting and repairing (minisql fsck, minisql recover) ------------------------------- */

/*
 * What there is of a region at one server, as a JSON object:
 *   region          its id                                   file      there is a file on disk
 *   lsn, epoch      applied, by the file                     schema_version, cluster (hex): the
 * same log_first, log_last, log_epoch                           entries in the log; absent: none
 *   rebuild         marked as damaged                        error     why it stands still, or
 * can't be read modified        last write to the file, seconds since 1970 of a running server:
 *   stray           a file or log entries without a replica
 *   role, serving, committed, config {epoch, primary, backups, learners} (epoch 0: none known)
 * with its contents:
 *   tables [{id, name, rows, hash}], indexes [name], records [{id, version, record}], described,
 *   damage [text], dangling [text], requests_hash, max_gateway
 */
typedef struct error *region_emit_fn(void *ctx, const char *json, size_t len);
/* One object for each region; no contents. */
struct error *region_inspect(struct regions *r, region_emit_fn *emit, void *ctx);
/* The same of a stopped server's data directory, with contents, first an object {"log_damage": ..}
 * where the log is damaged. `deep`: hashes and checks, too. Changes nothing. */
struct error *region_inspect_directory(const char *dir, bool deep, region_emit_fn *emit, void *ctx);

/* Looking at a copy's contents as of one lsn, beside its work. At the primary: as of the opening.
 * At a backup the opening only keeps it from applying more, and region_look_at lets it go up to an
 * lsn, as of which it is looked at. 55000 when it is there no more: open anew. A look that takes
 * longer than some seconds between the two holds nothing back. */
struct region_look;
struct error *region_look_open(struct regions *r, uint64_t region, struct region_look **ret);
uint64_t region_look_lsn(const struct region_look *l);
struct error *region_look_at(struct region_look *l, uint64_t lsn);
struct error *region_look_contents(struct region_look *l, bool deep, region_emit_fn *emit,
                                   void *ctx);
void region_look_close(struct region_look *l); /* NULL is fine */

/* Sets a backup's or learner's file aside and takes part as a damaged copy, which is made anew from
 * the primary's. 55000 at the primary. */
struct error *region_rebuild(struct regions *r, uint64_t region);
/* Renames the stray file of a region to region-N.db.aside and forgets its log entries. */
struct error *region_set_aside(struct regions *r, uint64_t region);
/* The operator takes this server's copy as it is, though it is marked as damaged: the mark goes,
 * and log entries that don't follow the file are forgotten. 55000 at a primary that serves. */
struct error *region_adopt(struct regions *r, uint64_t region);
