/*
 * store: one region's SQLite file.
 *
 * Opens it the one way that is right for us (WAL mode, synchronous=NORMAL, `unix-excl`, foreign
 * keys on, types registered, preupdate hook installed before anything is prepared), runs statements
 * with a statement cache, captures row changes, applies them at a backup, keeps (applied lsn,
 * epoch, schema version) and request results inside the file, checkpoints, and makes and installs
 * snapshots.
 *
 * A store has one writer connection (one thread at a time, the caller guarantees it) and a pool of
 * readers (thread-safe to get and put).
 */
#pragma once

#include "types/types.h"

struct store;      /* the file */
struct store_conn; /* a connection: the writer, or a reader */

/* What the file says of itself, in its table minisql_meta. */
struct store_meta {
    uint64_t cluster; /* id of the cluster that it belongs to */
    uint64_t region;
    uint64_t applied_lsn;
    uint64_t applied_epoch;
    uint64_t schema_version;
};

/* Opens or creates DIR/region-<id>.db: reads what it says of itself; no file stays open until
 * somebody reads or writes. Errors: XX001 not a database/damaged (hint: it is rebuilt
 * from another copy), 0A000 written by a newer format, 58030, 53100, 55000 when it belongs to
 * another cluster. */
struct error *store_open(const char *dir, uint64_t cluster, uint64_t region, struct store **ret);
/* One that is no region's and in no directory: it goes with store_close. One thread has it; it has
 * no readers, no upkeep, and captures nothing. It is awake. */
struct error *store_open_local(struct store **ret);
void store_close(struct store *s);                    /* all readers must have been put back */
const struct store_meta *store_meta(struct store *s); /* as of the last commit */
/* Opens the writer's connection, when it is closed; store_begin and store_find_request do so by
 * themselves. The caller owns the writer. 58030, 53000. */
struct error *store_wake(struct store *s);
/* Closes all connections, until somebody needs one again. The caller owns the writer; readers may
 * come meanwhile. False: a reader is out, a transaction is open, or a checkpoint runs. */
bool store_sleep(struct store *s);
struct error *store_delete(const char *dir, uint64_t region); /* the file and its -wal */
/* Regions that have a file in dir: calls back for each. */
struct error *store_list(const char *dir, void (*found)(void *ctx, uint64_t region), void *ctx);

/* ---- statements --------------------------------------------------------------------------- */

/* A prepared statement from the connection's cache, reset and with no bindings; put it back with
 * store_release (which resets it). `sql` is SQLite text. Errors as types_sqlite_error. */
struct error *store_prepare(struct store_conn *c, const char *sql, size_t len, sqlite3_stmt **ret);
void store_release(struct store_conn *c, sqlite3_stmt *stmt);
sqlite3 *store_db(struct store_conn *c);
struct error *store_exec(struct store_conn *c, const char *sql); /* one-off, no rows */

/* ---- readers ------------------------------------------------------------------------------ */

/* Waits when all readers (16) are out. A reader sees the last commit; store_reader_begin starts a
 * read transaction so that several statements see one snapshot, store_put_reader ends it. */
struct error *store_get_reader(struct store *s, struct store_conn **ret);
struct error *store_reader_begin(struct store_conn *c);
void store_put_reader(struct store *s, struct store_conn *c);

/* ---- the writer --------------------------------------------------------------------------- */

/*
 *   idle --store_begin--> open --store_commit--> idle
 *                          |  \--store_rollback--> idle
 *    store_mark / store_rollback_to / store_changes (any number)
 *
 * Inside `open`, every row change is captured. A mark is a savepoint plus a position in the
 * captured bytes.
 */
struct store_conn *store_writer(struct store *s); /* awake */
struct error *store_begin(struct store *s);
struct error *store_mark(struct store *s);         /* pushes; savepoints nest */
struct error *store_release_mark(struct store *s); /* pops, keeps */
struct error *
store_rollback_to(struct store *s); /* pops, undoes, forgets the captured changes since */
/* How many marks are open. A statement that fails leaves captured changes that SQLite undid: so a
 * mark goes before each statement that may fail, and store_rollback_to (or store_rollback) behind
 * its failure. What store_changes gave away since a mark, store_rollback_to can't call back. */
/* Between the two, on the writer's connection: did a statement change a row of `table` (borrowed)
 * that it had inserted or changed before? ON CONFLICT DO UPDATE must not. */
struct store_conn;
void store_once_begin(struct store_conn *c, const char *table);
bool store_once_end(struct store_conn *c);
size_t store_marks(struct store *s);
/* SQLite has ended the open transaction by itself: because the disk failed, or memory, or because a
 * statement that writes was interrupted. Only store_rollback remains. */
bool store_ended(const struct store *s);
/* Captured changes since the last call or store_begin, encoded (see store_apply); borrowed until
 * the next change. */
void store_changes(struct store *s, const char **ret_data, size_t *ret_len);
/* The bytes captured so far and not yet taken: so that a big transaction can be logged in parts. */
size_t store_changes_size(struct store *s);
/* Writes what the open transaction has changed so far into SQLite's WAL, without committing it: so
 * that this is done while others are waited for, and the commit itself is short. Best effort. */
void store_flush(struct store *s);
/* Sets what the file will say after this commit. */
struct error *store_commit(struct store *s, uint64_t applied_lsn, uint64_t applied_epoch);
void store_rollback(struct store *s);
/* Does the open transaction violate a foreign key that SQLite checks when it commits? Then it can't
 * be committed. */
bool store_has_violations(struct store *s);
/* Before the commit: who looked at all keys found no violation. SQLite, asked how many there are,
 * does not take together what it counted before store_defer_foreign_keys() and after it. */
void store_keys_hold(struct store *s);
/* Until the transaction ends, or it is said again with false, SQLite checks all foreign keys only
 * then. With false it forgets what it has counted. */
struct error *store_defer_foreign_keys(struct store *s, bool defer);

/* What the writer's statements do from now on is not looked at for foreign keys of the tables'
 * texts, and has no actions; until it is said again with false. */
struct error *store_leave_keys(struct store_conn *c, bool leave);

/* A write's result, kept so that a retry is answered, not applied again. One row for each
 * (gateway, slot): a slot has one request in flight at most, a later seq replaces it. Inside
 * `open`. */
struct store_request {
    uint64_t gateway;
    uint32_t slot;
    uint64_t seq;
};
struct error *store_put_request(struct store *s, const struct store_request *r, const void *result,
                                size_t len);
/* *ret_found false: this seq was never applied (08P01: it is older than the slot's last one). Uses
 * the writer connection. The result goes to `a`.
 */
struct error *store_find_request(struct store *s, const struct store_request *r, struct arena *a,
                                 bool *ret_found, const char **ret, size_t *ret_len);
/* The last request of each slot, at most `most`; the caller frees them. */
struct error *store_requests(struct store_conn *c, size_t most, struct store_request **ret,
                             size_t *ret_n);
/* SQL that forgets them, where they are still the last ones. From then on store_find_request
 * refuses (08P01) requests of their gateways that it does not know, up to the highest seq among
 * them. */
void store_fold_requests(const struct store_request *requests, size_t n, struct buf *ret_sql);
/* The same by a reader, of the last commit. An older seq is not found. */
struct error *store_reader_request(struct store_conn *c, const struct store_request *r,
                                   bool *ret_found);

/* What was decided here of a transaction over several regions: it committed, and these others wait
 * to hear of it. Kept until it is known that all have. Inside `open`. */
struct store_decision {
    uint64_t gateway, seq; /* of its request */
    uint64_t *participants;
    size_t n_participants;
};
struct error *store_put_decision(struct store *s, const struct store_request *r,
                                 const void *participants, size_t len); /* u64 each */
/* By a reader, of the last commit. */
struct error *store_reader_decision(struct store_conn *c, const struct store_request *r,
                                    bool *ret_found);
/* At most `most`, into the arena. */
struct error *store_decisions(struct store_conn *c, size_t most, struct arena *a,
                              struct store_decision **ret, size_t *ret_n);
void store_forget_decisions(const struct store_decision *decisions, size_t n, struct buf *ret_sql);

/* Applies encoded row changes (inside `open`, at a backup or in recovery). The bytes may be
 * garbage: XX001. Foreign-key checks and triggers do not run; only what the primary captured
 * happens, schema changes of store_change_schema included; others come through store_apply_ddl. */
struct error *store_apply(struct store *s, const void *data, size_t len);
/* Runs DDL text (several statements allowed) inside `open` and sets the schema version. Used by
 * primary and backup alike; it captures no row changes. */
struct error *store_apply_ddl(struct store *s, const char *sql, size_t len,
                              uint64_t schema_version);
/* The same as a part of a transaction, 55006 while that has violations: it is captured in its place
 * among the row changes, and store_rollback_to undoes it. schema_version 0: it stays. */
struct error *store_change_schema(struct store *s, const char *sql, size_t len,
                                  uint64_t schema_version);

/* ---- upkeep ------------------------------------------------------------------------------- */

/* Moves the SQLite WAL into the file and fsyncs it; safe beside readers and the writer. Returns the
 * applied lsn that the file now durably holds (what wal_release wants). Called from a background
 * thread. */
struct error *store_checkpoint(struct store *s, uint64_t *ret_durable_lsn);
uint64_t store_wal_bytes(struct store *s);
/* Numbers for servers' info and the planner; cheap (cached; counted anew at most ten times a
 * second, and only after a commit). */
struct error *store_row_count(struct store *s, const char *table, int64_t *ret);
/* As last counted, without opening anything; false: never. */
bool store_known_rows(struct store *s, const char *table, int64_t *ret);
/* Would store_row_count() count now? */
bool store_count_is_due(struct store *s, const char *table);
/* Nothing was committed since its tables were counted. */
bool store_counts_hold(struct store *s);
uint64_t store_file_bytes(struct store *s);

/* Snapshots. `page` is called for each page of the file, numbered from 0. */
enum { STORE_PAGE = 4096 };
typedef struct error *store_page_fn(void *ctx, uint64_t number, const void *page);
/* As of one commit, in no particular order, and some maybe twice (the last time counts);
 * *ret_meta says what they hold. The writer isn't blocked, but SQLite's WAL can't be started over
 * meanwhile: what takes long is done with store_scan before. */
struct error *store_snapshot(struct store *s, store_page_fn *page, void *ctx,
                             struct store_meta *ret_meta, uint64_t *ret_pages);
/* As they lie in the file at the moment that each is read: of no one commit, some torn. For those
 * who compare them with a snapshot later. */
struct error *store_scan(struct store *s, store_page_fn *page, void *ctx);
/* Is the file at `path` a sound one of this region (quick_check, meta)? XX001, 55000. Syncs it. */
struct error *store_check(const char *path, uint64_t cluster, uint64_t region,
                          struct store_meta *ret_meta);
/* Puts such a file (of the same file system) in place of the region's, which is kept aside until
 * this is done. No store of the region may be open. */
struct error *store_install(const char *dir, uint64_t region, const char *path);

/* ---- inspection --------------------------------------------------------------------------- */

/* Tables that describe the catalog's own records of the region's tables, so that the file alone
 * tells what is in it: minisql_records, a row for each (id 0: of the region itself). */
struct store_record {
    uint64_t id, version;
    const char *text;
};

struct store_table_contents {
    const char *name;
    uint64_t id;   /* by minisql_tables; 0: not listed there */
    int64_t rows;  /* deep; -1: can't be read */
    uint64_t hash; /* deep; of all rows, in whatever order */
};

/* What a file holds as of one commit; strings are the arena's. */
struct store_contents {
    struct store_meta meta;
    uint64_t max_gateway;   /* the highest gateway id among the stored requests */
    uint64_t requests_hash; /* deep */
    bool described;         /* it has minisql_records */
    size_t n_tables, n_indexes, n_records, n_damage, n_dangling;
    struct store_table_contents *tables;
    const char **indexes; /* names */
    struct store_record *records;
    const char **damage;   /* what PRAGMA integrity_check says, and what can't be read */
    const char **dangling; /* deep; what PRAGMA foreign_key_check says, by table */
};

/* `c` is a reader inside store_reader_begin. `deep` reads every page: hashes, integrity, foreign
 * keys. A part that can't be read is told in `damage`. */
struct error *store_contents(struct store_conn *c, bool deep, struct arena *a,
                             struct store_contents *ret);
/* What the file says of itself, as of the reader's snapshot. */
struct error *store_reader_meta(struct store_conn *c, struct store_meta *ret);
/* The same of a file that no server has open; the file stays as it is. XX001: no database, or not
 * one of ours. */
struct error *store_inspect(const char *dir, uint64_t region, bool deep, struct arena *a,
                            struct store_contents *ret);
