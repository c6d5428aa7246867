/*
 * plan: decides how one analysed statement runs.
 *
 *   no table                                PLAN_CONSTANT  any SQLite connection
 *   all tables in one region                PLAN_REGION    the whole statement at its primary, by
 * SQLite many rows joined or grouped             PLAN_BATCH     scans of SQLite text (here or at
 * other servers), our own hash joins and hash aggregate, then HAVING, projection, order, limit
 *   several regions, or system tables       PLAN_GATHER    each reference's needed columns and rows
 * are pulled into a private SQLite database, on which the whole statement runs INSERT .. SELECT
 * from elsewhere         PLAN_INSERT    a PLAN_GATHER or PLAN_BATCH whose rows are then inserted
 * other writes that read elsewhere, data-modifying CTEs: PLAN_REGION in stages (stage.c)
 * TRUNCATE of tables in several regions: PLAN_TRUNCATE, a statement for each
 *   schema changes                          PLAN_DDL       the master's
 *
 * A plan depends on the schema alone (catalog_schema_is_current), not on where regions are: that is
 * looked up each time it runs. It is immutable and shared: any number of threads may run it at
 * once.
 *
 * Nothing here does I/O.
 */
#pragma once

#include "sql/sql.h"

enum plan_kind {
    PLAN_CONSTANT,
    PLAN_REGION,
    PLAN_BATCH,
    PLAN_GATHER,
    PLAN_INSERT,
    PLAN_TRUNCATE,
    PLAN_DDL
};

/* Rows of one table reference as they are pulled out of a region, or made of the catalog (region
 * 0); or, in a batch plan, those of another batch plan. */
struct plan_scan {
    const struct rte *rte;  /* NULL: a subquery of a condition */
    struct plan_batch *sub; /* the rows are its; of what follows only n_columns counts */
    uint64_t region;
    uint64_t schema_version;
    const char
        *sql; /* SQLite text, parameters ?n as in the statement: columns and pushed-down filters */
    size_t sql_len;
    int n_columns;
    int *columns;    /* 0-based, of the table, in the order in which the scan gives them; below 0:
                        computed[-1 - it] */
    uint32_t *types; /* of each */
    struct expr **computed; /* over columns of the table: keys of a join */
};

/* Where a column of a batch plan comes from: column `column` of scan `scan`. */
struct plan_slot {
    int scan, column;
};

enum plan_join_kind {
    PLAN_JOIN_INNER,
    PLAN_JOIN_LEFT, /* rows so far are kept */
    PLAN_JOIN_SEMI, /* .. are kept once where something matches: EXISTS, IN */
    PLAN_JOIN_ANTI, /* .. where nothing does */
};

/*
 * One step of a left-deep chain of joins: what is there so far (the probe side) meets scan `scan`.
 * No keys: a cross join. Rows for which `on` is not true do not match (for a left join they then
 * come with NULLs).
 */
struct plan_join {
    int scan;
    enum plan_join_kind kind;
    int n_keys;
    struct plan_slot *outer; /* n_keys: in the scans so far; equal to .. */
    int *inner;              /* .. these columns of `scan` */
    uint32_t *key_types;     /* what the keys compare as; ints of all widths as OID_INT8 */
    bool *key_nulls;         /* IS NOT DISTINCT FROM: NULL equals NULL */
    bool nulls;              /* one of them */
    int n_on;
    struct expr **on; /* further conditions */
};

/* A subquery in an expression: its value is a column of a scan, or the same for all rows. */
struct plan_sub {
    const struct expr *e; /* EXPR_SUBQUERY */
    struct plan_slot slot;
    struct plan_batch *once; /* has one column, and one row or none; NULL: slot */
};

/* A batch plan: scan 0 is where the chain starts. Expressions find their columns with
 * plan_batch_slot(). */
struct plan_batch {
    const struct select *select;
    int n_scans;
    struct plan_scan
        *scans;     /* `where` conjuncts that mention one scan only are in its SQL already */
    int *slots;     /* rte id, column -> number of a slot: slot_base[rte->id] + column, or -1 */
    int *slot_base; /* -1: an rte that is not scanned */
    int n_slots;    /* over all scans */
    struct plan_slot *slot; /* slot number -> scan and column */
    int n_joins;            /* n_scans - 1 */
    struct plan_join *joins;
    int n_where;
    struct expr **where; /* residual conjuncts, after all joins */
    bool grouped;
    int n_group;
    struct expr **group;
    int n_aggs;
    struct expr **aggs; /* EXPR_AGG */
    int n_subs;
    struct plan_sub *subs;
    int n_leaves;
    struct plan_scan *leaves; /* all scans of tables, also those of the plans in it */
    double rows;              /* a guess */
};

/* The slot number of a column expression; -1: none (a column that no scan gives). */
int plan_batch_slot(const struct plan_batch *b, const struct expr *column);
/* NULL: e is no subquery whose value the plan has. */
const struct plan_sub *plan_batch_sub(const struct plan_batch *b, const struct expr *e);

struct plan_gather {
    int n_scans;
    struct plan_scan *scans;
    char **names;    /* of the table that each scan's rows go to: "pulled_<rte id>" */
    char **creates;  /* CREATE TABLE for each */
    char **inserts;  /* INSERT .. VALUES (?1, ..) for each */
    const char *sql; /* the statement over those tables */
    size_t sql_len;
};

/* One SQLite statement of a write that takes several (stage.c). */
struct plan_stage {
    const char *sql;
    size_t sql_len;
    int param;                 /* its rows, packed (types_pack_row), become this parameter; 0: no */
    bool to_client;            /* its rows are the statement's result */
    bool counted;              /* what it changes, or a SELECT gives, is the statement's count */
    const struct write *write; /* what it does; NULL: it reads */
};

/*
 * Parameters from first_param on: when there are scans, the signature and the rows of each scan,
 * packed by whoever sends the statement to its region; then those that the stages fill.
 */
struct plan_staged {
    int first_param, n_params;
    int n_scans;
    struct plan_scan *scans; /* tables of other regions, and system tables */
    uint64_t signature;      /* equal plans of two servers have equal ones */
    int n_stages;
    struct plan_stage *stages;
};

struct plan {
    enum plan_kind kind;
    const struct query *query; /* the statement itself; of an EXPLAIN: the explained one */
    const char *text; /* PostgreSQL text of `query`, 0-terminated: what another server is sent */
    bool explain, analyze; /* run: answer with lines instead of (analyze: besides) running it */
    bool json;             /* as one value of json instead of lines */
    const struct catalog_view *view;

    /* result, whatever runs: for EXPLAIN one column "QUERY PLAN" */
    int n_columns;
    const struct result_column *columns;
    bool returns;

    /* PLAN_REGION; PLAN_INSERT: the target's; PLAN_BATCH: when all scans are in one region, else 0
     */
    uint64_t region;
    uint64_t schema_version;
    bool writes, locks;
    const char *sql; /* CONSTANT, REGION: SQLite text. TRUNCATE: several statements. INSERT: one row
                        from ?1.. */
    size_t sql_len;

    struct plan_staged *staged; /* PLAN_REGION: the statement runs in stages, and `sql` is NULL */
    struct plan_batch *batch;   /* PLAN_BATCH, or PLAN_INSERT */
    struct plan_gather *gather; /* PLAN_GATHER, or PLAN_INSERT; PLAN_BATCH: what to do when memory
                                   does not suffice */

    uint64_t good_until_ms; /* the choice hung on row counts, which change: choose again then; 0: it
                               did not */

    /* private */
    struct arena arena;
    _Atomic int refs;
};
/* False: made on row counts that may be wrong by now. It would still run, and give the same rows.
 */
bool plan_is_fresh(const struct plan *p);

/* What the choice depends on besides the statement. */
struct plan_context {
    const struct catalog_view *view; /* the caller's reference moves into the plan */
    void *ctx;
    int64_t (*row_count)(void *ctx, const struct table *t); /* about; -1: unknown. May be NULL */
    int64_t batch_min_rows; /* in one region: SQLite below that (20,000) */
};

/*
 * Makes a plan of a statement: SELECT, INSERT, UPDATE, DELETE, TRUNCATE, EXPLAIN, or schema change.
 * `q` lives in *arena, whose contents move into the plan (the caller's arena is empty afterwards,
 * and its reference on the view is gone; on error too). `text` is copied. 0A000 where tables of
 * several regions would be written.
 */
struct error *plan_new(const struct plan_context *pc, const struct query *q, const char *text,
                       size_t text_len, struct arena *arena, struct plan **ret);
struct plan *plan_ref(struct plan *p);
void plan_unref(struct plan *p); /* NULL is fine */
