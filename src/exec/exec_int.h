/* What the files of exec/ share. */
#pragma once

#include "exec/exec.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>

/* Never leaves this folder: the statement needs more memory than it may have; run it another way.
 */
#define E_SPILL "MS003"
/* Ends a scan before its end: a LIMIT is reached. */
#define E_ENOUGH "MS004"

struct peer_conn; /* a libpq connection to another server, see peer.c */
struct peer_pool;
struct scratch;
struct exec__objects;
struct exec__temp;
struct snapshot;

/* A private SQLite connection for statements that need no region. One thread at a time. */
struct scratch {
    sqlite3 *db;
    struct map stmts; /* SQLite text -> sqlite3_stmt */
    struct scratch *next;
};

enum { EXEC_PLANS_MAX = 500, EXEC_COUNT_AGE_MS = 5000 };

struct exec {
    char *name;
    struct catalog *catalog;
    struct regions *regions;
    struct exec_ddl_io ddl;
    struct exec_settings settings;
    int64_t started;  /* microseconds since 2000 */
    uint64_t gateway; /* unique for ever: half of all our request ids */
    _Atomic uint64_t seq;
    _Atomic uint64_t numbered; /* transactions that asked for a number */
    struct peer_pool *peers;
    struct watch *watch;         /* watch.c */
    struct sequences *sequences; /* sequence.c */
    struct advisory *advisory;   /* advisory.c */

    _Atomic size_t n_left; /* changed under lock, which guards `left`, too */
    uint64_t *left;        /* of transactions whose regions no master took back yet: asked_as */
    uint64_t left_until;   /* when to ask again */

    pthread_mutex_t lock; /* guards all below */
    struct scratch *scratch;
    uint32_t n_slots, n_free, cap_free; /* session numbers */
    uint32_t *free_slots;
    struct map plans;          /* what peers had us run: types and text -> struct plan */
    struct map counts;         /* table id -> struct row_count */
    struct map held_snapshots; /* region -> how many sessions hold a state of it here */
    struct map objects; /* database -> struct exec__objects, as of when they were last asked for */
};

/* A region that a transaction writes. */
enum held_kind { HELD_LOCAL, HELD_REMOTE };
struct held {
    enum held_kind kind;
    uint64_t region;
    struct region_txn *txn; /* LOCAL */
    struct peer_conn *conn; /* REMOTE: in BEGIN */
    bool wrote;             /* else it is only locked */
    uint64_t brought;       /* schema number of the draft's view that it knows */
    uint64_t lsn;           /* of its last commit before; above READ COMMITTED */
    bool counts_all;        /* LOCAL: SQLite counts what violates any foreign key: deferred.c */
};
enum { EXEC_MAX_HELD = 64 };

/* A value of a sequence that the session has drawn last: its currval(). */
struct drawn {
    uint64_t sequence;
    int64_t value;
    bool fresh; /* by the statement that runs now */
};

struct exec_session {
    struct exec *exec;
    char *user, *database;
    int32_t pid;
    uint32_t slot;
    bool internal;
    size_t memory;
    _Atomic bool cancel;
    uint64_t patience; /* answers of other servers are waited for until then; 0: for as long as it
                          takes */

    bool in_transaction;
    int n_said; /* what SET CONSTRAINTS has said in the transaction, in order: what was said last
                   counts (deferred.c) */
    struct said {
        uint64_t id; /* of a foreign key; 0: of all */
        bool deferred;
    } * said;
    struct {
        int n, cap;
        struct told_key *list;
        struct arena arena; /* of their texts and values; empty while n is 0 */
    } told;                 /* keys that may be broken, by triggers (deferred.c) */
    bool alone;             /* the transaction is one statement's own: it may be run again */
    bool lost;              /* what it held is gone: only a rollback is left */
    int64_t started;        /* microseconds since 2000: now() */
    int64_t number;         /* of the transaction; 0: it did not ask for one */
    int n_savepoints, cap_savepoints;
    char **savepoints;
    int *said_before;  /* n_said when each was made */
    struct held *held; /* in the order in which they were taken */
    int n_held, cap_held;
    struct region_owner owner; /* this transaction, to others; while something is held */
    _Atomic bool deadlocked;   /* it waited for one that waits for it, and was told to give up */
    struct exec__temp *temp;   /* its temporary tables; NULL: it had none yet */
    struct catalog *draft;     /* what the transaction has done to the schema; NULL: nothing */
    uint64_t draft_region; /* whose file it changes, the first of them: it decides; 0: none yet */
    uint64_t holding;      /* that the schema change under way asked for last; 0: none */
    unsigned n_brought;    /* how often a file got something of the draft */
    uint64_t provisional;  /* a region that was made for the transaction; 0: none */
    uint64_t asked_as;     /* the transaction's number in asking for it; 0: it was not */
    struct catalog_draft_mark *marks; /* of each savepoint */
    int cap_marks;
    struct types_host host; /* this session, for functions */
    int n_drawn, cap_drawn;
    struct drawn *drawn;
    uint64_t last_drawn; /* the sequence of lastval(); 0: none */
    int n_made, cap_made;
    struct sequence *made; /* or altered by the transaction: as far as it has drawn from them */
    enum isolation level;  /* the transaction's; ISOLATION_DEFAULT: READ COMMITTED */
    bool read_only;        /* the transaction is */
    uint64_t first_region; /* that it used, above READ COMMITTED */
    bool snapshots;        /* reads see regions as they were when first read (snapshot.c) */
    int n_snapshots, cap_snapshots;
    struct snapshot *snapshot_list; /* also of a peer's READ: its FRAGs see one state */
    struct region_look *look;       /* FSCK's */

    bool unchecked;           /* its writes are not looked at for foreign keys */
    uint64_t lock_timeout_ms; /* 0: none */
    const char *nowait;       /* what the statement that runs won't wait for; NULL: it waits */
    struct advisory_owner *advisory_owner; /* at the master: what is held through this session */
    struct peer_conn *advisory_conn;       /* to the master, while there are locks */
    _Atomic uint64_t advisory_generation; /* of exec.advisory, when they were taken; 0: none held */
    bool advisory_xact;                   /* some may be the transaction's */
    const struct exec__wait *_Atomic waits; /* what its statement waits for; NULL: nothing */

    struct exec_session_io io;
    struct run *run; /* the statement that runs now */
};

/* A region that a plan scans several times: one snapshot for all of them. */
struct pin {
    uint64_t region;
    struct region_read read; /* here */
    struct peer_conn *conn;  /* there, in READ */
};
enum { RUN_MAX_PINS = 16 };

/* As pg_stat_activity tells it. */
struct exec__wait {
    const char *type, *event;
};

static inline void exec__waits(struct exec_session *s, const struct exec__wait *w)
{
    if (s)
        atomic_store(&s->waits, w);
}

/* One execution of a plan, over all its attempts. */
struct run {
    struct exec_session *s;
    struct exec *e;
    struct plan *plan;
    struct arena arena;
    const struct value *params; /* the client's, then the hidden ones, then those of stages */
    int n_params;
    struct value *staged; /* of a staged plan: `params`, which it writes to .. */
    struct buf *packs;    /* .. and what its packed parameters hold; staged->n_params */
    const struct exec_sink *sink;
    int64_t rows;     /* given to the sink, or affected */
    bool given;       /* the sink has rows of this attempt */
    bool sink_failed; /* the error came from the sink: not ours to retry */
    bool here;        /* on a peer's behalf: here or MS001 */
    struct store_request request;
    bool keys_early; /* a foreign key failed a stage that is followed by one that writes */
    bool doubt;      /* a write went out under it that got no answer */
    uint64_t deadline;
    int n_pins;
    struct pin pins[RUN_MAX_PINS];
    const struct catalog_view *view; /* what system tables show in this attempt; NULL: not asked */
    struct exec__objects *objects;   /* what system functions know in it; NULL: not asked */
    int64_t number;                  /* as the session's, of a statement by itself */
    struct map sessions;             /* database -> how many, while pg_stat_database is made */
    struct buf *lines;               /* EXPLAIN (FORMAT JSON): so far, each with a 0 behind it */
    int64_t joined;                  /* EXPLAIN ANALYZE: rows that came out of the scans */
};

struct error *exec__emit(struct run *r, const struct value *values, int n);

/* ---- where (route.c) ------------------------------------------------------------------------ */

struct place {
    bool here;
    char server[CATALOG_NAME_MAX + 1];
};
/* The region's primary by the catalog. MS001 when there is none now, MS002 when the region is gone.
 */
struct error *exec__place(struct exec *e, uint64_t region, struct place *ret);
bool exec__is_retryable(const struct error *e);
/* Before the next attempt: waits for news from the catalog. `e` is what failed (consumed); comes
 * back, as what the client is told, when time is up or the statement was cancelled. `tries` counts.
 */
struct error *exec__wait_retry(struct exec_session *s, uint64_t region, uint64_t deadline,
                               unsigned *tries, struct error *e);
struct error *exec__canceled(void);
struct error *exec__lost(void); /* the transaction */

/* ---- SQLite (sqlite.c) ---------------------------------------------------------------------- */

struct error *exec__bind(sqlite3 *db, sqlite3_stmt *stmt, const struct value *params, int n);
/* Steps to the end, giving each row to `row` (may be NULL). Cancelable. */
typedef struct error *(*exec__row_fn)(void *ctx, const struct value *values, int n);
struct error *exec__step_all(struct exec_session *s, sqlite3 *db, sqlite3_stmt *stmt,
                             exec__row_fn row, void *ctx);
void exec__watch_cancel(struct exec_session *s, sqlite3 *db); /* s NULL: no more */
struct error *exec__scratch_get(struct exec *e, struct scratch **ret);
void exec__scratch_put(struct exec *e, struct scratch *c);
void exec__scratch_free(struct scratch *c);
struct error *exec__scratch_prepare(struct scratch *c, const char *sql, size_t len,
                                    sqlite3_stmt **ret);

/* ---- one region (region.c) ------------------------------------------------------------------ */

struct error *exec__run_region(struct run *r);
/* `e`, of a statement that failed in c's open transaction: a violated constraint by its name, with
 * the row or key that violated it (violation.c). `write` NULL: not known. */
struct error *exec__violation(struct exec_session *s, const struct catalog_view *view,
                              const struct write *write, struct store_conn *c, const char *sql,
                              size_t len, const struct value *params, int n, struct error *e);
/* The plan's statement, or its stages, on a connection that is the session's own. */
struct error *exec__run_on(struct run *r, struct store_conn *c);
/* Runs one statement that writes; w: what it does, for rules that SQLite does not know. */
struct error *exec__write_stmt(struct run *r, struct store_conn *c, const char *sql, size_t len,
                               const struct write *w, exec__row_fn row, void *ctx);
/* Gives all rows of a scan to `row`, as exec__step_all, but faster where there are many. */
struct error *exec__pull(struct exec_session *s, struct store_conn *c, const char *sql, size_t len,
                         const struct value *params, int n_params, const struct plan_scan *scan,
                         exec__row_fn row, void *ctx);
/* Reads with SQLite text of one region, through what the session holds, here or there. With `scan`,
 * sql is its text. */
struct error *exec__read(struct run *r, uint64_t region, uint64_t schema_version, const char *sql,
                         size_t sql_len, const struct plan_scan *scan, exec__row_fn row, void *ctx);
struct error *exec__scan(struct run *r, const struct plan_scan *scan, exec__row_fn row, void *ctx);
struct error *exec__run_constant(struct run *r);

/* ---- foreign keys that are checked at COMMIT (deferred.c) ------------------------------------ */

struct sql_suspect;
/* Around what runs a statement that writes: what triggers tell of keys is noted. _ends says whether
 * it failed. */
int exec__watch_keys(struct exec_session *s);
void exec__watch_keys_end(struct exec_session *s, int mark, bool failed);
/* 23503 when a key is violated that is to be checked now. */
struct error *exec__statement_ends(struct exec_session *s, struct store *store, uint64_t region);
/* The same, whatever SQLite has looked at. */
struct error *exec__look_at_keys(struct exec_session *s, struct store *store, uint64_t region);
/* After store_defer_foreign_keys() for one statement, which has ended. */
void exec__keys_late_end(struct exec_session *s, struct store *store, uint64_t region);
struct error *exec__transaction_ends(struct exec_session *s, struct store *store, uint64_t region);
void exec__say_constraint(struct exec_session *s, uint64_t id, bool deferred); /* id 0: all */
/* Whoever holds the region learns what was said; h NULL: all that are held. */
struct error *exec__say_constraints(struct exec_session *s, const struct held *h);
/* Only the first n of what was said. */
struct error *exec__unsay_constraints(struct exec_session *s, int n);
void exec__forget_constraints(struct exec_session *s);
/* `e` becomes what PostgreSQL says of the violation (violation.c); values: of the key's columns,
 * NULL: not known. */
struct error *exec__tell_key(const struct sql_suspect *s, const struct value *values,
                             struct error *e);
/* 23505; values: of the key's columns. */
struct error *exec__tell_duplicate(const struct table *t, const struct key *k,
                                   const struct value *values);
struct value exec__copy_value(sqlite3_value *v, struct arena *a);

/* ---- writes in stages (stage.c) ------------------------------------------------------------- */

/* Makes room for the packed parameters after n ones. */
void exec__stage_params(struct run *r, int n);
/* Parameters that go along to the server that runs the statement. */
int exec__stage_sent(const struct run *r);
/* Reads the tables of other regions into their parameters. */
struct error *exec__stage_pull(struct run *r);
/* MS002 when what was sent was packed for another plan. */
struct error *exec__stage_check(const struct run *r);
/* Do several of its stages write? */
bool exec__changes_in_stages(const struct run *r);
struct error *exec__run_stages(struct run *r, struct store_conn *c, exec__row_fn row, void *ctx,
                               int64_t *ret_count);
void exec__stage_done(struct run *r);

/* Before and after scanning: pins the regions that come more than once. `e` is how it went; comes
 * back, or MS001 when a snapshot turns out to be stale. */
struct error *exec__pin(struct run *r, const struct plan_scan *scans, int n);
struct error *exec__unpin(struct run *r, struct error *e);

/* Rows, and at the end what the session drew from sequences and the count, as they travel: see
 * rows.c. */
void exec__end_put(struct buf *out, const struct exec_session *s, int64_t count);
struct error *exec__stream_get(const char *data, size_t len, struct exec_session *s,
                               exec__row_fn row, void *ctx, int64_t *ret_count, bool *ret_end);
/* `s`: along with all that it ever drew; NULL: without. */
void exec__args_put(struct buf *out, const struct store_request *request,
                    const struct value *params, int n, const struct exec_session *s);
/* What `s` has drawn becomes what came along. */
struct error *exec__args_get(const char *data, size_t len, struct arena *a, struct exec_session *s,
                             bool *ret_has_request, struct store_request *ret_request,
                             const struct value **ret, int *ret_n);

/* ---- sequences (sequence.c) ----------------------------------------------------------------- */

void exec__sequences_open(struct exec *e);
void exec__sequences_close(struct exec *e); /* gives back what is left */
/* Fetches values for the sequences that a statement surely draws from, where there are none:
 * before it takes the region's writer. 57P03. */
struct error *exec__sequences_ready(struct exec *e, const struct query *q);
struct error *exec__sequence(void *ctx, enum sequence_call what, const struct value *args,
                             int nargs, struct arena *a, struct value *ret);
/* SELECT .. FROM a sequence: sql__sequence_table() */
struct error *exec__sequence_row(struct run *r, const struct plan_scan *scan, exec__row_fn row,
                                 void *ctx);
struct error *exec__sequence_request(struct exec *e, const char *what, uint64_t id);
struct error *exec__restart_sequences(struct exec_session *s, const struct query *truncate);
void exec__drew(struct exec_session *s, uint64_t sequence, int64_t value, bool last);
/* Of the transaction, or temporary; NULL: it is everybody's. */
const struct sequence *exec__own_sequence(struct exec_session *s, uint64_t id);
/* Sequences of the transaction's own: i-th of s->made, NULL when it is not the one of now; where
 * one is, by another server's word; before the transaction changes the schema again, or commits:
 * its draft gets where they are; after a savepoint was gone back to; at the end. */
const struct sequence *exec__made_at(const struct exec_session *s, int i);
void exec__made_is_at(struct exec_session *s, uint64_t id, int64_t last, bool called);
struct error *exec__made_put(struct exec_session *s);
void exec__made_undo(struct exec_session *s);
void exec__made_forget(struct exec_session *s);
void exec__drawn_settle(struct exec_session *s); /* nothing is fresh */

/* ---- temporary tables (temporary.c) ---------------------------------------------------------- */

/* Where they are: MS002 when the session has none. */
struct error *exec__temp_conn(struct exec_session *s, struct store_conn **ret);
/* A change of them follows: makes their database, and begins its transaction where there is none.
 */
struct error *exec__temp_begin(struct exec_session *s);
struct error *exec__temp_run(struct run *r); /* a statement of CATALOG_TEMP_REGION */
/* The view that shows them, too; takes the reference, gives one. */
/* What a check of ALTER TABLE says, without the row that it found. */
struct error *exec__check_error(const struct table *t, const struct alter_check *k);
const struct catalog_view *exec__with_temporary(const struct exec_session *s,
                                                const struct catalog_view *v);
/* Is the schema change one of temporary tables? 0A000: of others, too. */
struct error *exec__temp_concerns(const struct query *q, bool *ret);
struct error *exec__temp_ddl(struct run *r);
/* The session's transaction and its savepoints; nothing where they have not changed. */
struct error *exec__temp_mark(struct exec_session *s);
struct error *exec__temp_unmark(struct exec_session *s);
struct error *exec__temp_undo(struct exec_session *s);
struct error *exec__temp_commit(struct exec_session *s);
void exec__temp_rollback(struct exec_session *s);
void exec__temp_close(struct exec_session *s);
/* Their sequences */
const struct sequence *exec__temp_sequence(struct exec_session *s, uint64_t id); /* or NULL */
struct error *exec__temp_next(struct exec_session *s, uint64_t id, int64_t *ret);
struct error *exec__temp_set(struct exec_session *s, uint64_t id, int64_t value, bool called);
struct error *exec__temp_restart(struct exec_session *s, uint64_t id);

/* ---- advisory locks (advisory.c) ------------------------------------------------------------ */

struct advisory *exec__advisory_new(void);
void exec__advisory_free(struct advisory *m); /* NULL is fine */
enum { ADVISORY_TRY = 1, ADVISORY_SHARED = 2, ADVISORY_XACT = 4 };
/* v: one int8, or two int4; how: of the words above. *ret: was it got, was it held? 55P03, 40P01 */
struct error *exec__advisory_lock(struct exec_session *s, const struct value *v, int n, int how,
                                  bool *ret);
struct error *exec__advisory_unlock(struct exec_session *s, const struct value *v, int n, int how,
                                    bool *ret);
struct error *exec__advisory_unlock_all(struct exec_session *s);
/* Locks of the transaction that were taken within `depth` savepoints or more go; a savepoint is
 * released: they are those of `depth`. */
void exec__advisory_end(struct exec_session *s, int depth);
void exec__advisory_lower(struct exec_session *s, int depth);
void exec__advisory_done(struct exec_session *s); /* the session ends */
/* What another server asks of this one, the master. */
struct error *exec__advisory_serve(struct exec_session *s, const char *text, char tag[64]);
/* All locks as rows: database, two halves of the key, its kind, pid, exclusive, granted, waits
 * since (microseconds since 2000, or 0). `here`: of this server's memory. */
enum { EXEC__N_ADVISORY = 8 };
struct error *exec__advisory_list(struct exec_session *s, bool here, exec__row_fn row, void *ctx);

/* ---- what runs (system_state.c) ------------------------------------------------------------- */

/* A WARNING (01000) to the client. */
void exec__warn(struct exec_session *s, const char *format, ...) PRINTF_LIKE(2, 3);
/* As a row of at most 16 values. */
int exec__activity_put(const struct exec_activity *x, struct value *ret);
/* Asks the gateways of all other servers, until `enough` (may be NULL) says so of a tag; those that
 * do not answer are passed over. */
struct error *exec__each_peer(struct exec *e, const char *text, exec__row_fn row, void *ctx,
                              bool (*enough)(void *ctx, const char *tag), void *enough_ctx);

/* ---- one state of a region (snapshot.c) -------------------------------------------------------
 */

/* What the session holds of the region, or takes now when its reads are of one state; both NULL:
 * read what is current. 40001 when its schema was another one. */
struct error *exec__snapshot(struct run *r, uint64_t region, uint64_t schema_version,
                             struct store_conn **ret_here, struct peer_conn **ret_there);
/* `here`: on a peer's behalf. `brief`: for one statement. */
struct error *exec__take_snapshot(struct exec_session *s, bool here, bool brief, uint64_t region,
                                  uint64_t schema_version, uint64_t deadline);
/* 40001 when the region that is held now was read as it was before others wrote there. */
struct error *exec__snapshot_holds(struct exec_session *s, const struct held *h);
/* The commit that a state held here is of; 0: none is. */
uint64_t exec__snapshot_lsn(const struct exec_session *s, uint64_t region);
/* An error of a read: 40001 when what was held is lost. */
struct error *exec__snapshot_failed(struct exec_session *s, struct error *e);
/* MS001 when one of them was taken here and this server is not its primary any more. */
struct error *exec__end_snapshots(struct exec_session *s);

/* ---- transactions (transaction.c) ----------------------------------------------------------- */

/* What the session holds of a region; NULL: it does not. Until something is held or dropped. */
struct held *exec__held(const struct exec_session *s, uint64_t region);
/* Makes the session's transaction hold the region. 40P01 */
struct error *exec__hold(struct exec_session *s, uint64_t region, uint64_t schema_version,
                         uint64_t deadline);
/* With whatever schema it has by now. A region that is gone is not held. */
struct error *exec__hold_newest(struct exec_session *s, uint64_t region);
/* Before a statement of a transaction: holds what it locks and, above READ COMMITTED, what it needs
 * to see one state. */
struct error *exec__isolate(struct run *r);
/* Lets go of what is held, undone. */
struct error *exec__enter(struct exec_session *s);
void exec__leave(struct exec_session *s);
void exec__drop_held(struct exec_session *s);
void exec__drop_one(struct exec_session *s, int i);
/* An error of a statement that ran in what the session holds: 40001 when that is lost. */
struct error *exec__held_failed(struct exec_session *s, struct error *e);
struct store_request exec__next_request(struct exec_session *s);

/* One that is here and does not decide: `txn` is gone, and in the region's hands. */
struct error *exec__prepare_local(struct exec_session *s, const struct held *h, uint64_t decider,
                                  bool *ret);
/* From time to time, in the background: what is prepared here is decided, decisions of which all
 * have heard are forgotten. */
void exec__look_after_spans(struct exec_session *s, uint64_t *forgot_at);
/* Commits what is held, in one region or several (span.c). Nothing is held afterwards. */
struct error *exec__commit_held(struct exec_session *s, const struct store_request *q);
/* The transaction was rolled back, with `e`: as the client is told it. */
struct error *exec__tell_lost(struct error *e);

/* ---- who waits for whom, and for what (watch.c) ---------------------------------------------- */

struct watch *exec__watch_new(struct exec *e);
void exec__watch_start(struct watch *w); /* once e is complete */
void exec__watch_free(struct watch *w);  /* NULL is fine */
/* Around a wait for a region's writer, of a transaction that holds others. */
void exec__wait_begins(struct exec_session *s, uint64_t region);
/* 40P01 when it was to end a deadlock, whatever came of it. */
struct error *exec__wait_ends(struct exec_session *s, struct error *e);
/* Which region a transaction of this server waits for; 0: none. */
uint64_t exec__waits_for_region(struct exec *e, uint64_t gateway, uint64_t seq);

/* ---- schema changes in transactions (draft.c) ------------------------------------------------ */

struct error *exec__no_master(void);
struct error *exec__ask_master(struct exec_session *s, const char *head, const char *body,
                               uint64_t deadline, char tag[64]);
struct error *exec__settle(struct exec_session *s, unsigned wait_ms);
/* The catalog as the store has it, with nothing pending. */
void exec__catch_up(struct exec *e);
/* What was just changed shows at all servers, in whatever they begin to run from now on: a region's
 * version keeps plans of before from its tables, and nothing does so for views, types, domains. */
void exec__show_everywhere(struct exec *e);
struct error *exec__run_draft(struct run *r);
struct error *exec__bind_hidden(struct run *r, const struct value *params);
/* Parameter n_params + i + 1; `params` are the client's. */
struct error *exec__hidden(const struct exec_session *s, const struct query *q, int i,
                           const struct value *params, struct arena *a, struct value *ret);
/* The same in a transaction of its own. */
struct error *exec__run_draft_alone(struct run *r);
/* `region`: the draft's. */
struct error *exec__take_draft(struct exec_session *s, uint64_t region, const char *text);
/* A region was held after the schema was changed: whoever has it learns of that. */
struct error *exec__draft_shows(struct exec_session *s);
/* Before a commit over several regions: the draft's comes first. */
void exec__draft_decides(struct exec_session *s);
/* The savepoint of this depth (0: the first) is made; was gone back to. */
void exec__draft_mark(struct exec_session *s, int depth);
struct error *exec__draft_undo(struct exec_session *s, int depth);
/* Commits the one region that is held, and is here, with the draft. Nothing is held afterwards.
 * n > 0: it decides for these others. */
struct error *exec__commit_local(struct exec_session *s, const struct store_request *q,
                                 const uint64_t *participants, int n);
/* Makes the request one that decides about the draft, if there is one. */
void exec__draft_request(const struct exec_session *s, struct store_request *q);
/* At the gateway, around the commit of what is held there: of one region, .. */
struct error *exec__draft_before_commit(struct exec_session *s);
/* .. of none or several, and when the commit of several failed. */
struct error *exec__draft_prepare(struct exec_session *s, const struct store_request *q);
void exec__draft_undone(struct exec_session *s);
struct error *exec__draft_after_commit(struct exec_session *s);
void exec__draft_end(struct exec_session *s);

/* ---- other servers (peer.c) ----------------------------------------------------------------- */

struct peer_pool *exec__peers_new(struct exec *e);
void exec__peers_free(struct peer_pool *p);
/* An idle connection to a server, or a new one. `region` (or 0): give up with MS001 when the server
 * is not its primary any more. */
struct error *exec__peer_get(struct exec_session *s, const char *server, uint64_t region,
                             uint64_t deadline, struct peer_conn **ret);
void exec__peer_put(struct peer_conn *c); /* back to the pool; closed when it is not idle */
void exec__peer_drop(struct peer_conn *c);
/* A simple query without rows, in two halves. */
struct error *exec__peer_send(struct exec_session *s, struct peer_conn *c, const char *text);
struct error *exec__peer_receive(struct exec_session *s, struct peer_conn *c, char tag[64]);
/* Runs an internal statement: `args` NULL: a simple query. Rows go to `row`. `tag` may be NULL. */
struct error *exec__peer_run(struct exec_session *s, struct peer_conn *c, const char *text,
                             const struct buf *args, exec__row_fn row, void *ctx,
                             int64_t *ret_count, char tag[64]);
/* COPY to the peer: begin, rows, end. */
struct error *exec__peer_copy_begin(struct exec_session *s, struct peer_conn *c, const char *text);
struct error *exec__peer_copy_data(struct exec_session *s, struct peer_conn *c, const char *data,
                                   size_t len);
struct error *exec__peer_copy_end(struct exec_session *s, struct peer_conn *c, bool ok,
                                  int64_t *ret_count);
/* A simple query to a server, in a session of its own. `row` and `tag` may be NULL. */
struct error *exec__ask_server(struct exec *e, const char *server, const char *text,
                               unsigned patience_ms, exec__row_fn row, void *ctx, char tag[64]);
/* A simple query without rows to each other server that runs; one that does not answer in time, or
 * says no, is left out. */
void exec__tell_servers(struct exec *e, const char *text, unsigned patience_ms);

/* ---- over several places -------------------------------------------------------------------- */

struct error *exec__run_gather(struct run *r, const struct plan_gather *g, exec__row_fn row,
                               void *ctx);
struct error *exec__run_batch(struct run *r, exec__row_fn row, void *ctx);
struct error *exec__run_insert(struct run *r);
struct error *exec__run_truncate(struct run *r);
/* Rows of a system table, made of the catalog: the scan's columns, unfiltered. */
struct error *exec__system_rows(struct run *r, const struct plan_scan *scan, exec__row_fn row,
                                void *ctx);
/* A system relation that is read where it is (system_virtual.c): as `name` in the database, until
 * that is closed. After an error in a statement that reads it: what it was, or NULL. */
struct exec__virtual;
bool exec__is_virtual(const struct plan_scan *scan);
struct error *exec__virtual_add(struct run *r, sqlite3 *db, const struct plan_scan *scan,
                                const char *name, const char *create, struct exec__virtual **ret);
struct error *exec__virtual_error(struct exec__virtual *v);
/* A table's rows and bytes as its primary counts them now; -1: it does not answer. */
void exec__ask_size(struct exec *e, const struct table *t, int64_t *ret_rows, int64_t *ret_bytes);

/* Runs an internal statement at the region's primary, wherever that is. Consumes `text`. */
struct error *exec__ask_primary(struct exec *e, uint64_t region, char *text);

/* ---- learners (progress.c) ------------------------------------------------------------------ */

struct exec__learner {
    const char *state;         /* log, waiting, preparing, snapshot, comparing, installing, stopped,
                                  unreachable */
    bool fetching;             /* a snapshot; else the next three are 0 */
    int64_t done, total, rate; /* bytes of the file; a second */
    int64_t received;          /* bytes over the network */
    int64_t behind;            /* entries; -1: not known */
    char message[160];         /* why it is stopped */
};
/* Asks the server, and the primary; for half a second each at most. */
void exec__ask_learner(struct exec *e, const struct region *r, const char *server,
                       struct exec__learner *ret);
int64_t exec__learner_seconds(const struct exec__learner *l); /* left; -1: not known */
void exec__learner_text(struct buf *b, const char *server, const struct exec__learner *l);
/* What a server says of itself, as a row of at most 16 values. */
int exec__state_put(const struct region_status *s, struct value *ret);

struct error *exec__explain(struct run *r);
/* Runs the plan once, wherever it has to. */
struct error *exec__attempt(struct run *r);
int64_t exec__row_count(void *ctx, const struct table *t);
struct error *exec__run(struct run *r);

/* ---- inspect.c ------------------------------------------------------------------------------- */

struct error *exec__fsck(struct exec_session *s, const char *head, const char *body,
                         const struct exec_wire *wire, char *tag);

/* ---- names and functions (object.c, names.c, function.c) ---------------------------------------
 */

/* Objects by oid, as of the present schema; until put back. */
struct exec__objects *exec__objects_get(struct exec_session *s);
void exec__objects_put(struct exec *e, struct exec__objects *o); /* NULL is fine */
void exec__objects_forget(struct exec *e);
/* The session whose statements this thread analyses and runs; NULL: none */
struct exec_session *exec__attended(void);
/* .. for a function that only the client's own server can answer: 0A000 elsewhere. */
struct error *exec__client(struct exec_session **ret);
/* 0A000, in an internal session: what it can't do, and what to do instead. */
struct error *exec__not_elsewhere(const char *what, const char *hint);
/* What types/ calls for regclass and the like, and for functions about the catalog. */
extern const struct type_names exec__type_names;
extern types_system_fn *const exec__system_functions[SYSTEM_FUNCS];
