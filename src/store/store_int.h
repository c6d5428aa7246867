/*
 * A region's file, private to this folder.
 *
 *   store.c           opening, closing, the directory; what the file says of itself
 *   store_conn.c      connections: how they are set up, statement caches, readers
 *   store_write.c     the writer's transaction, marks, requests, DDL
 *   store_table.c     what rows of a table look like: needed to encode and to apply
 *   store_change.c    encoding of row changes: bytes <-> struct store_change (pure, fuzzed)
 *   store_capture.c   the preupdate hook
 *   store_apply.c     row changes -> statements
 *   store_upkeep.c    checkpoints, sizes, counts
 *   store_snapshot.c  making and installing snapshots
 *   store_inspect.c   what a file holds, for those who compare copies
 */
#pragma once

#include "store/store.h"

#include <pthread.h>
#include <sqlite3.h>

enum {
    STORE_FORMAT = 1, /* in minisql_meta; a newer one is refused */
    STORE_READERS = 16,
    STORE_CACHED = 128,       /* statements of a connection */
    STORE_MAX_COLUMNS = 2000, /* SQLite's own limit */
};

/* ---- connections: store_conn.c ------------------------------------------------------------ */

/* How statements behave on the writer. Changing it makes SQLite compile statements again. */
enum store_mode {
    STORE_EXECUTE,   /* foreign keys, triggers and checks as declared */
    STORE_UNCHECKED, /* no foreign keys */
    STORE_APPLY,     /* none of them: what the primary captured holds their effects already */
    STORE_DDL, /* no foreign keys: DROP TABLE doesn't delete row by row; PRAGMA writable_schema
                  has effect */
};

struct store_cached {
    char *sql;
    size_t len;
    sqlite3_stmt *stmt;
    bool in_map; /* else it was made because the cached one was in use */
    bool used;
    struct store_cached *newer, *older; /* among idle ones; `used` is linked by `older` alone */
};

/* One thread at a time. */
struct store_conn {
    struct store *store;
    sqlite3 *db;
    struct map cached;                    /* text -> struct store_cached */
    struct store_cached *newest, *oldest; /* idle ones in the order of their use */
    struct store_cached *used;
    size_t n_idle;
    enum store_mode mode;
    bool unchecked; /* it executes in that mode: store_leave_keys() */
    sqlite3_stmt *begin, *take_snapshot, *end;
    bool reading; /* a reader inside store_reader_begin */
    bool writer;
};

enum store_purpose { STORE_WRITER, STORE_READER, STORE_CHECKER };
struct error *store__connect(struct store *s, const char *path, enum store_purpose purpose,
                             struct store_conn **ret);
void store__disconnect(struct store_conn *c);
struct error *store__set_mode(struct store_conn *c, enum store_mode mode);
/* types_sqlite_error, with the file's name and advice where the file itself is at fault. */
struct error *store__error(sqlite3 *db, int rc, const char *path);
struct error *store__prepare_own(sqlite3 *db, const char *sql, sqlite3_stmt **ret);
/* Steps a statement that gives no rows, and resets it. */
struct error *store__run(struct store_conn *c, sqlite3_stmt *stmt);

/* ---- tables: store_table.c ---------------------------------------------------------------- */

enum store_op { STORE_INSERT, STORE_UPDATE, STORE_MOVE, STORE_DELETE, STORE_OPS };

/* As it is now in the file; all are read again when the schema changes. */
struct store_table {
    char *name;
    size_t name_len;
    bool without_rowid;
    int n_columns; /* stored ones, in their order */
    char **columns;
    int *capture_index;             /* of each in sqlite3_preupdate_new */
    int n_captured;                 /* sqlite3_preupdate_count: with generated ones */
    int n_key;                      /* WITHOUT ROWID: the primary key's columns */
    int *key;                       /* indexes into columns, in the key's order */
    int rowid_column;               /* INTEGER PRIMARY KEY; -1: none */
    const char *rowid_name;         /* a name of the rowid that is no column's */
    sqlite3_stmt *stmts[STORE_OPS]; /* of store_apply */
    size_t defined_at;   /* position of its definition in the captured bytes; SIZE_MAX: none */
    uint64_t defined_as; /* its number there */
    bool written;        /* by the open transaction; these are linked: */
    struct store_table *next_written;
};

/* *ret NULL: no such table. 0A000 when it is of a kind whose rows can't be captured. */
struct error *store__table(struct store *s, const char *name, size_t len, struct store_table **ret);
void store__forget_tables(struct store *s);
/* Rows of it change in the open transaction. */
void store__note_written(struct store *s, struct store_table *t);
/* That has become commit `commit`, or may become it: counts of these tables are of before. */
void store__age_counts(struct store *s, uint64_t commit);
bool store__is_internal(const char *name, size_t len);

/* ---- encoding: store_change.c ------------------------------------------------------------- */

/*
 * A blob of changes: a version byte, then definitions and changes.
 *
 *   'T' name-length name kind columns key-columns     defines table 0, 1, .. of this blob
 *   'I' table [rowid] values
 *   'U' table rowid new-rowid values      or, WITHOUT ROWID:  'U' table old-key values
 *   'D' table rowid                       or                  'D' table old-key
 *   'S' schema-version length text        DDL; tables are defined anew behind it
 *
 * Numbers are LEB128, signed ones zigzag. A value is a tag byte (NULL, integer, real, text, blob)
 * and its content.
 */
enum { STORE_CHANGES_VERSION = 1 };

struct store_definition {
    const char *name; /* borrowed */
    size_t name_len;
    bool without_rowid;
    int n_columns, n_key;
};

struct store_change {
    char op;                            /* 'T', 'I', 'U', 'D', 'S' */
    struct store_definition definition; /* of 'T' */
    size_t table;                       /* of the others */
    int64_t rowid, new_rowid;
    const struct value *key;    /* WITHOUT ROWID; borrowed until the next one */
    const struct value *values; /* 'I', 'U' */
    const char *ddl;            /* 'S'; borrowed, ddl_len bytes */
    size_t ddl_len;
    uint64_t schema_version;
};

struct store_decoder {
    struct reader r;
    struct store_definition *definitions;
    size_t n_definitions, cap_definitions;
    struct value *values;
    size_t cap_values;
};
void store__decoder_init(struct store_decoder *d, const void *data, size_t len);
/* *ret_found false: the end. XX001 for bytes that are none of ours. */
struct error *store__decode(struct store_decoder *d, struct store_change *ret, bool *ret_found);
void store__decoder_done(struct store_decoder *d);

void store__put_number(struct buf *b, uint64_t v);
void store__put_signed(struct buf *b, int64_t v);
void store__put_value(struct buf *b, const struct value *v);
void store__put_definition(struct buf *b, const struct store_definition *d);
void store__put_ddl(struct buf *b, const char *ddl, size_t len, uint64_t schema_version);

/* ---- capture: store_capture.c ------------------------------------------------------------- */

struct store_capture {
    struct buf bytes;             /* since the last store_changes */
    struct buf taken;             /* what store_changes gave away last */
    struct store_table **defined; /* in `bytes`, in order */
    size_t n_defined, cap_defined;
    uint64_t n_definitions; /* in `bytes`, also of tables that were forgotten since */
    bool on;                /* inside `open`, and neither applying nor in DDL */
    const char *once;       /* between store_once_begin and _end: a table, .. */
    struct map once_rows;   /* .. its rows that were inserted or changed .. */
    bool twice;             /* .. and whether one was changed again */
    struct error *failed;   /* a change could not be captured: the transaction can't commit */
    size_t failed_at;
};

void store__capture_install(struct store *s);
/* A place in the captured bytes. */
struct store_place {
    size_t len;
    uint64_t n_definitions;
};
void store__capture_cut(struct store_capture *c, struct store_place place); /* forgets the rest */
void store__capture_done(struct store_capture *c);

/* ---- the file ----------------------------------------------------------------------------- */

struct store_saved_mark {
    struct store_place captured;
    uint64_t schema_version;
    uint64_t n_ddl;
};

struct store_count {
    int64_t rows;        /* -1: it is being counted for the first time */
    uint64_t commits;    /* of the store, before it was counted */
    uint64_t written;    /* the commit that changed the table last, since it was first counted */
    uint64_t counted_ms; /* clock_ms when it was counted */
    uint64_t cost_ms;
};

/*
 * The writer's thread owns: writer (NULL: asleep), capture, tables, marks, open, schema_version,
 * the statements. `lock` guards what is written below it; checkpoint_lock is held while
 * checkpointing. Order: checkpoint_lock, lock.
 */
struct store {
    char *dir, *path;
    uint64_t region;
    bool local; /* store_open_local: without a file of its own */
    struct store_conn *writer;
    sqlite3_stmt *begin, *commit, *rollback, *mark, *release_mark, *rollback_to;
    sqlite3_stmt *set_meta, *put_request, *find_request, *put_decision;
    struct store_capture capture;
    struct map tables; /* name -> struct store_table */
    struct store_table *written;
    struct store_saved_mark *marks;
    size_t n_marks, cap_marks;
    bool open;
    bool deferring;               /* store_defer_foreign_keys() was called for the transaction */
    bool keys_hold;               /* store_keys_hold() was called for it */
    uint64_t schema_version;      /* what the next commit writes */
    uint64_t n_ddl, n_ddl_before; /* calls of store_apply_ddl: in all, and before `open` */

    pthread_mutex_t checkpoint_lock;
    struct store_conn *checker; /* under checkpoint_lock; opened on use */
    struct store_pace *pace;    /* of its file */

    pthread_mutex_t lock;
    pthread_cond_t reader_back, gate; /* gate: `writing` or `restarting` ended */
    struct store_meta meta; /* of the last commit; the writer's thread reads it without the lock */
    struct store_conn *free_readers[STORE_READERS];
    size_t n_free, n_readers;
    bool writing;    /* a transaction is open */
    bool restarting; /* the SQLite WAL is being reset: nobody may begin */
    int snapshots;   /* being made: it can't be reset */
    int wal_pages;   /* in the SQLite WAL, and how many of them were moved to the file */
    int wal_pages_moved;
    uint64_t commits;    /* since it was opened */
    uint64_t ddl_commit; /* the last of them that changed the schema */
    size_t counts_kept;  /* as many counts there were when old ones were thrown away */
    struct map counts;   /* table -> struct store_count */
};

/* A SQLite WAL longer than this is started over by the next checkpoint; tests make it small. */
extern int store__reset_pages;

void store__forget_counts(struct store *s);
void store__close_checker(struct store *s);
void store__forget_pace(struct store *s); /* once all connections are closed */
char *store__path(const char *dir, uint64_t region, const char *suffix);
/* Ours, empty, in a file without journal: see store.c */
struct error *store__create_tables(sqlite3 *db, const char *path);
struct error *store__read_meta(sqlite3 *db, const char *path, struct store_meta *ret);
/* 55000 when the file is another cluster's or region's. */
struct error *store__check_meta(const char *path, const struct store_meta *m, uint64_t cluster,
                                uint64_t region);
struct error *store__sync_directory(const char *dir);
/* Finishes or undoes an installation that a crash interrupted. */
struct error *store__settle_install(const char *dir, uint64_t region);
struct error *store__damaged(const char *path, const char *what);
