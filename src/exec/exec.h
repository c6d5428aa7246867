/*
 * exec: runs plans. Here when this server is the primary of what they touch, else at the server
 * that is.
 *
 * The gateway holds one `struct exec` and a `struct exec_session` for each client connection. For a
 * statement it calls sql_analyse() with exec_system_tables() as extra tables, exec_prepare(), and
 * then exec_run() as often as it likes with other parameters. What is retried, forwarded, pulled
 * and joined happens inside; the caller sees rows, or one error.
 *
 * Errors that the gateway handles by itself:
 *   MS002  the statement was planned on an older schema. Nothing has happened. The catalog has been
 * refreshed: analyse and prepare anew, run again (a few times at most; then report 40001). All
 * others are for the client. Inside a transaction (exec_begin) any error leaves it failed: the
 * gateway refuses statements (25P02) until exec_rollback() or exec_rollback_to(). MS001 never comes
 * out of here, except of exec_internal().
 *
 * Retries: an autocommit statement that meets a lost connection, a server that is not primary (any
 * more) or a region without primary is sent again, under the same request id, until
 * settings.retry_ms are over; then 57P03. In a transaction that holds a region (has written) it is
 * 40001 instead. COMMIT finds out at the new primary whether it took effect.
 *
 * Threads: struct exec is thread-safe. A session belongs to one thread at a time; only
 * exec_cancel() may come from elsewhere.
 */
#pragma once

#include "plan/plan.h"
#include "region/region.h"

/* ---- one per server ----------------------------------------------------------------------- */

/* Schema changes are the master's (a row above): called on the server that is elected, from any
 * thread. */
struct exec_session;
struct exec_ddl_io {
    void *ctx;
    /* Runs CREATE/DROP TABLE, CREATE/DROP INDEX, .. (q->kind), not ALTER TABLE. Returns when the
     * catalog shows it. NULL: this server has not the master role. */
    struct error *(*run)(void *ctx, const struct query *q, const char *text);
    /* The same as a part of the session's transaction, on any server: changes `draft` as `run`
     * would the catalog, with the exec_draft_ functions below for what touches data. */
    struct error *(*draft)(void *ctx, struct exec_session *s, struct catalog *draft,
                           const struct query *q);
    /* What commits such a transaction, at the master (NULL as above); the answer goes to `tag`.
     *   PREPARE, with a draft's text     catalog_prepare
     *   SETTLE                           catalog_settle of what is pending
     *   REGION <copies> <owner>          a provisional region: tag "REGION id"
     *   UNREGION <owner>                 it goes, unless it has tables */
    struct error *(*transact)(void *ctx, const char *head, const char *body, char tag[64]);
};

struct exec_settings {
    unsigned retry_ms;        /* 30000: how long a statement is retried */
    size_t memory;            /* 64 MiB: for one statement's joins and groups; more goes to disk */
    int64_t batch_min_rows;   /* 20000: see plan.h */
    int max_peer_connections; /* 64: idle ones kept for each peer */
};
extern const struct exec_settings exec_defaults;

struct exec_options {
    const char *name; /* of this server */
    struct catalog *catalog;
    struct regions *regions; /* NULL: without the region role */
    struct exec_ddl_io ddl;
    struct exec_settings settings;
    const char *temp_dir; /* for what spills; NULL: SQLite's choice */
};

struct exec;
/* Takes a gateway id from the catalog (57P03 when the store is away). */
struct error *exec_open(const struct exec_options *o, struct exec **ret);
void exec_close(struct exec *e); /* all sessions are gone */

/* minisql_servers, minisql_regions, minisql_learners, minisql_tables, minisql_columns,
 * minisql_indexes, and pg_class, pg_namespace, pg_attribute, pg_type as far as clients ask: tables
 * with id 0 and region 0, for sql_context.extra. They live forever. */
const struct table *const *exec_system_tables(int *ret_n);

/* What the master asks of a region's primary, wherever that is (see region.h). Retried like
 * statements. */
struct error *exec_region_ddl(struct exec *e, uint64_t region, const char *sqlite_ddl);
/* region_request_decided, wherever the primary is; 57P03 after wait_ms. */
struct error *exec_region_applied(struct exec *e, uint64_t region, const struct catalog_request *q,
                                  unsigned wait_ms, bool *ret);
struct error *exec_region_change(struct exec *e, uint64_t region, enum repl_change what,
                                 const char *server);

/* All servers give back what they have not handed out of a sequence, so that its record says what
 * was (where nobody else has taken values after them). */
void exec_collect_sequence(struct exec *e, uint64_t id);
/* All servers see the sequence's newest record before they hand out another value. */
void exec_announce_sequence(struct exec *e, uint64_t id);

/* ---- one per client connection ------------------------------------------------------------ */

/* As pg_settings has it; texts live as long as the session's settings don't change. */
struct exec_setting {
    const char *name, *unit, *description, *context, *type, *choices, *initial;
    const char *start;         /* what the client asked for when it connected; NULL: nothing */
    char value[24], reset[24]; /* of a number, in its unit; start points to reset */
    const char *text;          /* of anything else */
    int64_t min, max;          /* of a number */
    double least, most;        /* of a real one */
    const char *category;
    bool numeric, changed;
};

/* A session, as pg_stat_activity has it. Times are microseconds since 2000, 0: none. */
struct exec_activity {
    int32_t pid;
    const char *user, *database, *application, *address; /* address NULL: not known */
    int port;
    int64_t backend_start, xact_start, query_start, state_change;
    const char *state, *query, *wait_type, *wait_event;
};

/* Prepared statements and cursors, as pg_prepared_statements and pg_cursors have them. */
struct exec_prepared {
    const char *name, *text;
    int64_t made; /* microseconds since 2000 */
    bool sql;     /* by PREPARE */
    const struct type *const *params;
    int n_params;
};
struct exec_cursor {
    const char *name, *text;
    int64_t made;
    bool hold, binary, scroll;
};

/* What statements may ask of the session itself, on its thread. */
struct exec_session_io {
    void *ctx;
    /* SHOW and SET; *ret is the caller's. 42704 when there is no such setting. */
    struct error *(*show)(void *ctx, const char *name, char **ret);
    struct error *(*set)(void *ctx, const char *name, const char *value, bool local);
    /* A row of pg_settings; false: there is no i-th. */
    bool (*setting)(void *ctx, int i, struct exec_setting *ret);
    /* A WARNING for the client. */
    void (*warn)(void *ctx, const char *sqlstate, const char *text);
    /* Clients' sessions of this server; into the arena. How many. */
    int (*activity)(void *ctx, struct arena *a, struct exec_activity **ret);
    /* Cancels what a client's session of this server runs, or ends it; false: there is none. */
    bool (*signal)(void *ctx, int32_t pid, bool terminate);
    /* The session's own; texts live as long as it does nothing else. How many. */
    int (*prepared)(void *ctx, struct arena *a, struct exec_prepared **ret);
    int (*cursors)(void *ctx, struct arena *a, struct exec_cursor **ret);
    int (*channels)(void *ctx, struct arena *a, const char ***ret);
    /* What the client sent, of which a statement runs now; NULL: nothing. */
    const char *(*query)(void *ctx);
    /* Both ends of the client's connection, as text; false: it is a local one. */
    bool (*address)(void *ctx, bool server, struct arena *a, const char **ret_host, int *ret_port);
};

struct exec_session_options {
    const struct exec_session_io *io; /* copied; NULL: there are no settings */
    const char *user;
    const char *database;
    int32_t pid;   /* pg_backend_pid(); 0: no client's session */
    bool internal; /* a peer's: only exec_internal() is called on it */
};

struct exec_session;
struct exec_session *exec_session_new(struct exec *e, const struct exec_session_options *o);
void exec_session_free(struct exec_session *s); /* rolls back; NULL is fine */
/* From now on this thread analyses and runs the session's statements, so that names of the
 * catalog's objects can be read and printed; NULL: no more. */
void exec_attend(struct exec_session *s);
/* Ends what the session runs now with 57014, from any thread; nothing when it runs nothing. */
void exec_cancel(struct exec_session *s);
void exec_forget_sequences(struct exec_session *s);         /* DISCARD SEQUENCES */
void exec_set_memory(struct exec_session *s, size_t bytes); /* work_mem; 0: the default */
/* Foreign keys and DEFERRABLE keys are not looked at, and have no actions. */
void exec_set_unchecked(struct exec_session *s, bool unchecked);
void exec_set_lock_timeout(struct exec_session *s, uint64_t ms); /* 0: none */
/* What its statement waits for, if it is known; from any thread. */
void exec_waits_for(const struct exec_session *s, const char **ret_type, const char **ret_event);
/* Once a second: looks whether the master, or this server's lease, is another one. */
void exec_tick(struct exec *e);
/* The session's advisory locks are lost, so that it has to end; from any thread. */
bool exec_locks_lost(const struct exec_session *s);
/* Process ids of this server's sessions are this plus a number below 2^20: those of two servers
 * differ. */
uint32_t exec_pid_base(const struct exec *e);

/* ---- statements --------------------------------------------------------------------------- */

/* A plan for a statement. SELECT, INSERT, UPDATE, DELETE, TRUNCATE, EXPLAIN, CREATE/DROP
 * TABLE/INDEX and ADD KEY have one; everything else is the gateway's own. `q` was analysed into
 * *arena, whose contents move into the plan, as does the caller's
 * reference on `view` (the arena is empty afterwards, the reference gone, on error too). `text`:
 * the statement's own text, as it was analysed (for a lifted statement: the lifted text). For COPY
 * (query) TO give copy.query and copy.query_text; for COPY FROM copy.insert and any text. Share it
 * among sessions, keep it in a cache with plan_ref/plan_unref, use it while
 * catalog_schema_is_current(catalog, plan->view). */
struct error *exec_prepare(struct exec *e, const struct query *q, const char *text, size_t text_len,
                           const struct catalog_view *view, struct arena *arena, struct plan **ret);

/* Where result rows go. */
struct exec_sink {
    void *ctx;
    /* One row; the values are borrowed for the call, in the storage form of plan->columns[i].type.
     * An error ends the statement and comes back from exec_run. May be called from another thread,
     * one call at a time, while exec_run waits. */
    struct error *(*row)(void *ctx, const struct value *values, int n);
    /* The rows so far do not count: the statement starts over. False: they are gone to the client
     * already (the statement then fails with 40001). NULL: false when there were any. */
    bool (*reset)(void *ctx);
};

/* All zero before a statement's first run. */
struct exec_result {
    int64_t rows;                 /* given to the sink (SELECT), or affected */
    struct store_request request; /* what a write was sent under .. */
    bool doubt;                   /* .. and there was no answer to */
};

/* Runs a plan. After MS002 ("stale schema") the statement is to be planned anew and run with the
 * same *ret: an attempt may have been applied all the same, which its request id then tells.
 * `params`: plan->query->n_params values in storage form (borrowed for the call). `sink` may be
 * NULL when plan->returns is false. */
struct error *exec_run(struct exec_session *s, struct plan *plan, const struct value *params,
                       const struct exec_sink *sink, struct exec_result *ret);

/* ---- transactions ------------------------------------------------------------------------- */

/*
 *   none --exec_begin--> open --first write or FOR UPDATE in a region--> holds it (here, or over a
 * connection of its own), and so on with others; any --exec_commit / exec_rollback--> none
 *
 * In `open`, statements read as usual. Once a region is held, its tables are read through the same
 * transaction. What was written in several regions is committed in all of them or in none.
 *
 * Above READ COMMITTED the first statement that uses a region holds it, so that nobody else writes
 * there; other regions are held as well (SERIALIZABLE), or read as they were when first read, and
 * held when they are written (REPEATABLE READ; 40001 when somebody has written there in between).
 * One that is READ ONLY holds no region: it reads such states only, of one region if SERIALIZABLE.
 */
bool exec_in_transaction(const struct exec_session *s);
/* Of the transaction, before its first statement, or of a statement outside of one. `read_only`:
 * the caller refuses its writes; nextval() and setval() are refused here. */
void exec_isolate(struct exec_session *s, enum isolation level, bool read_only);
struct error *exec_begin(struct exec_session *s); /* 25001 when there is one */
/* Holds the plan's region before the statement runs: its tables stay as they are while it is
 * planned anew. Within a transaction. */
struct error *exec_hold_for(struct exec_session *s, const struct plan *p);
/* LOCK TABLE, within a transaction: nobody else writes in the tables' regions until it ends. */
struct error *exec_lock_tables(struct exec_session *s, const struct query *q) MUST_CHECK;
struct error *
exec_commit(struct exec_session *s); /* the transaction is over, whatever comes back */
void exec_rollback(struct exec_session *s);
struct error *exec_savepoint(struct exec_session *s, const char *name);
struct error *exec_rollback_to(struct exec_session *s,
                               const char *name);                     /* 3B001 no such savepoint */
struct error *exec_release(struct exec_session *s, const char *name); /* 3B001 */
int64_t exec_started(const struct exec_session *s);                   /* 0: no transaction */
int exec_savepoints(const struct exec_session *s);                    /* that there are now */

/* ---- transactions that change the schema (draft.c) ------------------------------------------ */

/* The catalog as the session sees it, its transaction's own changes included: what its statements
 * are to be analysed against. A reference. */
struct catalog *exec_catalog(struct exec_session *s);
const struct catalog_view *exec_view(struct exec_session *s);
/* SET CONSTRAINTS, of foreign keys by their ids (n 0: all), until the transaction ends. 23503 when
 * it finds one violated that is to be checked now. */
/* How many clients' sessions in a database other servers have; `end`: they are told to end. Servers
 * that don't answer within a second are passed over. */
struct error *exec_sessions_elsewhere(struct exec *e, const char *database, bool end,
                                      int *ret) MUST_CHECK;
struct error *exec_set_constraints(struct exec_session *s, const uint64_t *ids, int n,
                                   bool deferred);

/* Would a plan made on this view still be right? */
bool exec_schema_is_current(struct exec_session *s, const struct catalog_view *v);
/* Its transaction has changed the schema: plans are no other session's business, nor theirs its. */
bool exec_has_draft(const struct exec_session *s);

/* For exec_ddl_io.draft, while it runs. The region that new tables of the transaction lie in: */
struct error *exec_draft_region(struct exec_session *s, struct catalog *draft, int copies,
                                uint64_t *ret);
/* From now on nobody else writes in the region: what is read there stays. */
struct error *exec_draft_hold(struct exec_session *s, uint64_t region);
/* The file is brought to what the draft says by now. */
struct error *exec_draft_bring(struct exec_session *s);
/* DDL in the transaction, ahead of the draft (CREATE INDEX, which may fail: 23505) */
struct error *exec_draft_ddl(struct exec_session *s, uint64_t region, const char *sql);
/* A read or a write in the transaction, of a plan without parameters. */
struct error *exec_draft_query(struct exec_session *s, struct plan *plan,
                               const struct exec_sink *sink);
/* The same from PostgreSQL's text; its rows are not looked at. */
struct error *exec_draft_text(struct exec_session *s, uint64_t database, const char *names,
                              const char *text);
/* A schema change out of PostgreSQL's text, analysed under `names`: to be made by `change`. */
typedef struct error *exec_change_fn(void *ctx, const struct query *q);
struct error *exec_draft_change(struct exec_session *s, uint64_t database, const char *names,
                                const char *text, exec_change_fn *change, void *ctx);
/* The check's own error, if it finds a row. */
struct error *exec_check_rows(struct exec_session *s, const struct query *q,
                              const struct alter_check *k);

/* ---- temporary tables ----------------------------------------------------------------------- */

/* The session's, for sql_names(); NULL: it has none. Lives until a statement changes them, or a
 * transaction ends; then the generation is another one. */
const char *exec_temp_text(const struct exec_session *s);
uint64_t exec_temp_generation(const struct exec_session *s);
struct error *exec_temp_discard(struct exec_session *s); /* drops all of them */

/* ---- COPY FROM ---------------------------------------------------------------------------- */

/* Rows in, all of them or none (a part of the session's transaction, or one of its own). Nothing of
 * it is retried. */
struct exec_copy;
/* `plan` is of query->copy.insert. */
struct error *exec_copy_begin(struct exec_session *s, struct plan *plan, struct exec_copy **ret);
/* n values in storage form, borrowed, for the parameters of copy.insert. After an error:
 * exec_copy_abort. */
struct error *exec_copy_row(struct exec_copy *c, const struct value *values, int n);
/* Frees c, whatever comes back. */
struct error *exec_copy_end(struct exec_copy *c, int64_t *ret_rows);
void exec_copy_abort(struct exec_copy *c);

/* ---- procedures --------------------------------------------------------------------------- */

/* CALL of one of ours (procedure.c): 42883 when there is none of that name and number. */
struct error *exec_call(struct exec_session *s, const char *name, const char *const *args, int n);

/* ---- notifications -------------------------------------------------------------------------- */

/* Sends a NOTIFY with this body to the gateways of all other servers, once. Who does not take it
 * within a second misses it (logged). */
void exec_notify_peers(struct exec *e, const char *body);

/* ---- between servers ---------------------------------------------------------------------- */

/*
 * Internal statements, in sessions with options='-c minisql.internal=<server>'. A header line, then
 * text. RUN and FRAG are prepared (Parse with one parameter of type bytea, Bind in binary format,
 * Execute); the others are simple queries.
 *
 *   RUN <region> <schema version> <revision of the catalog> <lock timeout> <unchecked> <oid>,..|-
 * [<names>] <PostgreSQL text> The whole statement, planned and run here. The oids are the types of
 * its parameters. args: request id and parameters. FRAG <region> <schema version> [<time zone>
 * [<style>]] <SQLite text> A read of one region. args: parameters. READ <region> <schema version> |
 * HOLD <region> <schema version> | ENDREAD FRAGs of the region in between see one state: READ for
 * one statement, HOLD for a transaction. Several before one ENDREAD: of several regions. Tag of
 * HOLD: "HOLD lsn". BEGIN <region> <schema version> <gateway> <slot> <seq> <lock timeout> <nowait>
 * <server> Whose it is: see struct region_owner. How long to wait: struct region_patience. Tag
 * "BEGIN lsn": of the commit before. Then RUN and FRAG inside the transaction, and: COPY <region>
 * <unchecked> <SQLite INSERT> Rows come as CopyData. Tag "COPY n". MARK | UNMARK | UNDO A savepoint
 * is pushed; popped; popped and undone. SCHEMA <region> <a draft's text> The transaction's own
 * schema from now on; the region whose file is brought to it. COMMIT <gateway> <slot> <seq>
 * [<region> ..] | ROLLBACK With regions: it decides for them. PREPARE <deciding region> Instead of
 * COMMIT: the transaction is the region's, not the session's any more. Tag "PREPARE 0": it had
 * changed nothing, and is over. DECIDE <region> <gateway> <slot> <seq> 0|1 Undoes or commits what
 * is prepared there. OUTCOME <region> <gateway> <slot> <seq> 0|1 Tag "OUTCOME n": region_outcome.
 *   PREPARED <region>
 *        Tag "PREPARED gateway seq", 0 0: nothing is.
 *   OWNER <region>
 *        A row: region_get_owner. WAITS <gateway> <seq>: tag "WAITS region", which a transaction of
 *        this server waits for, or 0.
 *   APPLIED <region> <gateway> <slot> <seq> [<ms>]
 *        Tag "APPLIED 1" or "APPLIED 0". With a time: region_request_decided.
 *   COUNT <region>
 *   <table>
 *        Tag "COUNT rows bytes", as last counted.
 *   STATE <region>
 *        A row that says how the copy here stands (progress.c); none when there is none.
 *   SEE
 *        The server's catalog is as the store has it.
 *   SEQUENCE give|see <id>
 *        Values that are left are given back; the newest record is seen.
 *   CHANGE <region> add|remove|transfer <server>
 *   MOVE <region> <from> <to>
 *   DDL <region> <schema version>
 *   <SQLite DDL>
 *        Inside BEGIN: in the transaction.
 *   MASTER
 *   <PostgreSQL schema change>
 *        57P03 when this server is not the master.
 *   NOTIFY
 *   <notifications>
 *        For the clients of this server: the gateway's own, see gateway/notify.c.
 *   TRANSACT PREPARE | SETTLE | REGION .. | UNREGION ..
 *   <text>
 *        See exec_ddl_io.transact. 57P03 as above.
 *   ADVISORY <request>
 *        At the master: see serve() in advisory.c. Tag "ADVISORY done held".
 *   LOCKS
 *        Rows: the advisory locks, see exec__advisory_list().
 *   SESSIONS
 *        Rows: the clients' sessions of this server, see exec__activity_put().
 *   SIGNAL <pid> 0|1
 *        Cancels its statement, or ends it. Tag "SIGNAL 0" when there is no such session here.
 *   FSCK records | disk
 *        All records of the coordination store: revision:8 leased:1 key\0 value, one a CopyData.
 *        What this server has of each region: JSON, see region_inspect.
 *   FSCK put|delete <revision> <key's length>
 *   <key><value>
 *        One record, by compare-and-swap.
 *   FSCK look <region>, then FSCK at <lsn> at a backup, then FSCK contents deep|brief
 *        A copy's contents as of one lsn (region_look_open). Tag of look: "FSCK lsn".
 *   FSCK rebuild|aside|adopt <region>
 *
 * MS001 and MS002 as in region.h. RUN and FRAG answer with CopyOut: rows in the encoding of
 * exec_rows_put(), some 64 KiB a CopyData message, and at the end what was drawn from sequences
 * and the count of rows affected. Then, as for all others, CommandComplete.
 *
 * args: 'Q' gateway:8 slot:4 seq:8 (or 'N': no request), then the values as one row, then what the
 * session has drawn from sequences, if the statement reads that ('V', see rows.c).
 */
struct exec_wire {
    void *ctx;
    struct error *(*copy_out)(void *ctx); /* send CopyOutResponse (binary); before the first data */
    struct error *(*data)(void *ctx, const void *data, size_t len); /* one CopyData message */
    /* send CopyInResponse and flush; before the first receive */
    struct error *(*copy_in)(void *ctx);
    /* The next CopyData of the peer (borrowed until the next call); CopyDone: *ret_end. CopyFail or
     * a lost connection: an error. */
    struct error *(*receive)(void *ctx, const char **ret, size_t *ret_len, bool *ret_end);
};
/* Runs one internal statement. On success: if copy_out was called, send CopyDone; then
 * CommandComplete with `ret_tag`. On error send ErrorResponse with all fields of struct error.
 * `args` NULL: a simple query. */
struct error *exec_internal(struct exec_session *s, const char *text, size_t text_len,
                            const char *args, size_t args_len, const struct exec_wire *wire,
                            char ret_tag[64]);

/* Rows between servers: values as SQLite has them, tagged, so that no side needs the types.
 *   row:   'R' count:2 value*        value: tag:1 payload, see rows.c
 * The reader takes garbage: 08P01. Text values borrow from the input. */
void exec_rows_put(struct buf *out, const struct value *values, int n);
struct error *exec_rows_get(struct reader *in, struct value *ret, int max, int *ret_n);
