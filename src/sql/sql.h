/*
 * sql: PostgreSQL text -> analysed tree -> SQLite text.
 *
 *   sql_parse()     text -> statements (libpg_query's raw parser, PostgreSQL 15's own grammar)
 *   sql_analyse()   one statement -> struct query: names resolved against a catalog view, every
 *                   expression typed, every cast explicit, parameter types inferred
 *   sql_emit()      struct query -> one SQLite statement, parameter $n as ?n
 *   sql_lift()      text -> the same text with its literals turned into parameters: the key of a
 *                   statement cache
 *
 * Nothing here does I/O or runs SQL. Errors carry PostgreSQL's SQLSTATE, message and cursor
 * position (characters from 1, in the text given to sql_parse). What PostgreSQL has and MiniSQL
 * has not is 0A000 with a hint.
 *
 * Lifetimes: a script belongs to the thread that parsed it, until sql_script_done(). A query lives
 * in the arena given to sql_analyse() and points into the catalog view (tables): hold both. It is
 * immutable afterwards, so a cached one may be emitted and executed by many threads at once.
 */
#pragma once

#include "catalog/catalog.h"

enum {
    SQL_MAX_TEXT = 256 * 1024 * 1024, /* bytes of one script; more is 54000 */
    SQL_MAX_DEPTH = 4000,             /* nested expressions and queries; more is 54001 */
    SQL_EMIT_HEIGHT = 11, /* of an expression that SQLite's parser surely takes in one piece */
    SQL_MAX_PARAMS = 65535,
    SQL_MAX_RTES = 2000,
};

/* ---- parsing ------------------------------------------------------------------------------ */

struct sql_stmt {
    const void *node; /* libpg_query's; NULL after sql_script_done() */
    struct sql_script *script;
    size_t offset, len; /* bytes of this statement in the script's text, without its semicolon */
};

struct sql_script {
    const char *text; /* the caller's; has to outlive the script */
    size_t len;
    int n_stmts; /* 0: nothing but blanks and comments */
    struct sql_stmt *stmts;
    /* private: */
    void *memory;       /* libpg_query's memory context */
    const char *parsed; /* `text`, or with ON TRUE added to joins that had no condition */
    struct sql_insertion *insertions;
    int n_insertions;
};

/* Parses a 0-terminated script once. 42601 with PostgreSQL's message, 54001 when nested too
 * deeply, 54000 when too long. On success the caller ends with sql_script_done(). */
struct error *sql_parse(const char *text, struct arena *arena, struct sql_script *ret);
/* A statement without rows that PostgreSQL does not look at before it runs: CREATE, DROP, .. */
bool sql_is_utility(const struct sql_stmt *stmt);
void sql_script_done(struct sql_script *s); /* on the same thread; {0} is fine */

/* ---- expressions -------------------------------------------------------------------------- */

/* What `args` holds stands at each kind. Types of args already fit: casts are nodes. */
enum expr_kind {
    EXPR_CONST,  /* value (of `type`; VALUE_NULL: a typed NULL) */
    EXPR_PARAM,  /* param: 1.. n_params the client's, above them query->hidden */
    EXPR_COLUMN, /* col: a column of a range-table entry of this or an enclosing select */
    EXPR_FUNC,   /* call.func: scalar function or operator over args */
    EXPR_AGG,    /* call.func over args, call.distinct, call.filter */
    EXPR_WINDOW, /* call.func (window function or aggregate) over args, call.filter, call.window */
    EXPR_CAST,   /* args[0] to `type`; call.func, or NULL: same representation */
    EXPR_AND,    /* 2 or more, flattened */
    EXPR_OR,     /* 2 or more, flattened */
    EXPR_NOT,    /* 1 */
    EXPR_IS,     /* test over args[0] */
    EXPR_DISTINCT, /* args[0] IS DISTINCT FROM args[1]; call.func: their "=" */
    EXPR_CASE,     /* condition, result, condition, result, .., else: always an odd number */
    EXPR_COALESCE, /* 1 or more */
    EXPR_NULLIF,   /* 2; call.func: their "=" */
    EXPR_GROUPING, /* bits, of args[0] the highest: is it left out of the row's grouping set? */
    EXPR_GREATEST, /* 1 or more; NULLs are skipped */
    EXPR_LEAST,
    EXPR_IN,          /* args[0] = any of args[1..], none a subquery; call.func: their "=" */
    EXPR_ANY,         /* args[0] call.func ANY (args[1], an array), or call.all: ALL */
    EXPR_ROW_COMPARE, /* row.op over row.n left args, then row.n right ones */
    EXPR_SUBQUERY,    /* sub; args: left side of IN/ANY/ALL (row.n of them), else none */
};

enum { COLUMN_ROWID = -1 }; /* of a base table: what tells its rows apart. ctid, or made by plan/ */

enum is_test {
    IS_NULL,
    IS_NOT_NULL,
    IS_TRUE,
    IS_NOT_TRUE,
    IS_FALSE,
    IS_NOT_FALSE,
    IS_UNKNOWN,
    IS_NOT_UNKNOWN,
};

enum subquery_kind {
    SUBQUERY_SCALAR, /* one column; more than one row raises 21000 */
    SUBQUERY_EXISTS,
    SUBQUERY_ARRAY, /* one column; its rows as an array */
    SUBQUERY_IN,    /* args IN (select): also "= ANY" */
    SUBQUERY_ROW,   /* args func (select of as many columns), one row at most; func: of the first */
    SUBQUERY_NOT_IN, /* args NOT IN (select): also "<> ALL" */
    SUBQUERY_ANY,    /* args[0] func ANY (select), func not "=" */
    SUBQUERY_ALL,    /* args[0] func ALL (select), func not "<>" */
};

struct expr {
    enum expr_kind kind;
    uint32_t type;
    int32_t typmod;  /* -1: none */
    uint32_t domain; /* whose value it is, over `type`: see domain.c; 0: none */
    int position;    /* byte of the source + 1; 0: none */
    int n_args;
    struct expr **args;
    int n_left_out; /* of `args`, behind the others: what constants rule out. It is not computed */
    union {
        struct value value;
        int param;
        struct {
            struct rte *rte;
            int column; /* 0-based in rte->columns; COLUMN_ROWID */
        } col;
        struct {
            const struct func *func;
            bool distinct;
            bool all;                 /* EXPR_ANY */
            struct expr *filter;      /* may be NULL */
            struct order_item *order; /* EXPR_AGG: of the rows. With distinct, of all args */
            int n_order;
            struct window *window; /* EXPR_WINDOW */
        } call;
        enum is_test test;
        struct {
            int n;
            const char *op; /* "=", "<>", "<", "<=", ">", ">=" */
        } row;
        struct {
            enum subquery_kind kind;
            struct select *select;
            const struct func *func; /* ANY, ALL: the operator */
        } sub;
    };
};

/* ---- the range table: what FROM brings in --------------------------------------------------- */

enum rte_kind {
    RTE_TABLE,    /* table: a base table, or one of sql_context.extra (id 0) */
    RTE_SUBQUERY, /* select: (SELECT ..) or (VALUES ..) in FROM */
    RTE_CTE,      /* cte: a reference to a WITH query */
    RTE_CALLS,    /* args: calls side by side (a FUNC_SET, or any expression: one row) */
    RTE_EXCLUDED, /* the row proposed for insertion, in ON CONFLICT DO UPDATE */
};

struct rte_column {
    const char *name;
    const char *own; /* as the table or view calls it, where FROM gave it another name; or NULL */
    uint32_t type;
    int32_t typmod;
    uint32_t domain;
    bool not_null; /* by declaration; see rte->nullable for outer joins */
    bool used;     /* the statement reads it somewhere */
    bool dropped;  /* not a column any more: nothing finds it */
    bool unlisted; /* * does not give it */
};

struct rte {
    enum rte_kind kind;
    int id;            /* index in query->rtes */
    const char *name;  /* as PostgreSQL's FROM calls it: alias, or table name */
    const char *label; /* unique in the statement, also when case is ignored: its SQLite alias */
    int n_columns;
    struct rte_column *columns; /* RTE_TABLE: exactly the table's columns, in order */
    const struct object *view;  /* RTE_SUBQUERY: that it stands for, or NULL */
    const struct table *table;
    struct select *select;
    struct cte *cte;
    int n_args;
    struct expr **args;
    bool ordinality; /* a last column numbers the rows */
    struct select
        *owner;    /* the select whose FROM holds it; NULL: target of UPDATE, DELETE, INSERT */
    bool single;   /* RTE_SUBQUERY: exactly one row, of NULLs when there is none; more is 21000 */
    bool lateral;  /* depends on entries to its left: computed anew for each of their rows */
    bool nullable; /* on the nullable side of an outer join: any column can be NULL */
    bool target;   /* of INSERT, UPDATE, DELETE */
    bool rowid;    /* RTE_TABLE: the statement reads its ctid */
    bool by_key;   /* RTE_TABLE: GROUP BY of its primary key stands for its other columns */
    bool indexed;  /* RTE_TABLE: one of the filters is an equality on an index's first expression */
    int position;

    /* Filters that can run below every join, at the scan: conjuncts of WHERE and ON that mention
     * only this entry, constants and parameters, are not volatile, and keep the meaning when
     * applied to the table alone. They also stay where they were. */
    int n_filters;
    struct expr **filters;
};

/* FROM as a tree. */
enum join_kind { JOIN_INNER, JOIN_LEFT, JOIN_RIGHT, JOIN_FULL };

struct from {
    struct rte *rte; /* a leaf; else NULL and: */
    enum join_kind join;
    struct from *left, *right;
    struct expr *on; /* NULL: a cross join. USING and NATURAL are written out as equalities */
};

/* ---- selects ------------------------------------------------------------------------------ */

struct target {
    struct expr *expr;
    const char *name; /* of the result column */
};

struct order_item {
    struct expr *expr;
    int target; /* 0-based when it is one of the targets (always so over set operations), else -1 */
    bool descending;
    bool nulls_first;
    bool never_null; /* nulls_first does not matter */
};

struct window {
    int id;
    int n_partition, n_order;
    struct expr **partition;
    struct order_item *order;
    const char *frame;                    /* SQLite text, "" for the default frame */
    struct expr *frame_start, *frame_end; /* the offsets in it, where it says %s; or NULL */
    const char
        *over; /* instead of `frame`, where that is not SQLite's: "rpfn", see types/frame.c */
};

enum select_kind { SELECT_PLAIN, SELECT_VALUES, SELECT_SETOP };
enum setop { SETOP_UNION, SETOP_INTERSECT, SETOP_EXCEPT };

struct cte {
    const char *name;
    const char *label; /* its SQLite name, unique in the statement */
    bool recursive;    /* mentions itself */
    int n_columns;
    struct rte_column *columns;
    int n_added;           /* of the columns: the last ones, which SEARCH and CYCLE add */
    struct select *select; /* recursive: a SETOP_UNION of the start and the step */
    struct write *write;   /* INSERT, UPDATE, DELETE: select is NULL; n_columns 0: no RETURNING */
    int n_refs;
    int materialized; /* 1 MATERIALIZED, -1 NOT MATERIALIZED, 0 nothing said */
};

struct select {
    enum select_kind kind;
    struct select *parent; /* the enclosing one; NULL: outermost */
    const struct select
        *original;   /* a copy made for printing: whose columns these are; else NULL */
    bool correlated; /* mentions columns of an enclosing select */

    int n_ctes;
    struct cte **ctes;

    int n_targets;          /* columns of the result, for every kind */
    struct target *targets; /* SETOP, VALUES: names and types; expr is the first arm's (row's) */

    /* SELECT_PLAIN */
    int n_from;
    struct from **from; /* comma-separated items: cross-joined */
    struct expr *where; /* boolean; NULL: none */
    int n_group;
    struct expr **group; /* GROUP BY expressions, positions and names resolved */
    int n_sets; /* GROUPING SETS and its like: result rows are those of each set. 0: one set, all */
    uint64_t *sets; /* bit i: group[i] is in it */
    int n_groupings;
    struct expr **groupings; /* EXPR_GROUPING nodes of this level */
    bool read_below;         /* a subquery reads an aggregate of this level: it has sets */
    bool grouped;            /* GROUP BY, HAVING or any aggregate: result rows are groups */
    struct expr *having;
    int n_aggs;
    struct expr **aggs; /* EXPR_AGG nodes of this level, equal ones once */
    int n_windows;
    struct window **windows; /* those used */
    bool distinct;
    int n_distinct_on;
    struct expr **distinct_on;

    /* SELECT_VALUES: n_rows * n_targets */
    int n_rows;
    struct expr ***rows;

    /* SELECT_SETOP */
    enum setop op;
    bool all;
    struct select *left, *right;

    int n_order;
    struct order_item *order;
    bool with_ties;              /* LIMIT: and what is equal to the last row by ORDER BY */
    bool limit_varies;           /* limit or offset mentions columns of an enclosing select */
    struct expr *limit, *offset; /* bigint; NULL: none. A limit of NULL means none */
    bool for_update;             /* any locking clause */
};

/* ---- statements --------------------------------------------------------------------------- */

enum query_kind {
    QUERY_SELECT,
    QUERY_INSERT,
    QUERY_UPDATE,
    QUERY_DELETE,          /* the first four: sql_emit() works */
    QUERY_MERGE,           /* write->parts */
    QUERY_TRUNCATE,        /* truncate */
    QUERY_CREATE_TABLE,    /* create_table */
    QUERY_CREATE_INDEX,    /* create_index */
    QUERY_DROP_TABLE,      /* drop */
    QUERY_DROP_INDEX,      /* drop */
    QUERY_CREATE_SEQUENCE, /* sequence */
    QUERY_ALTER_SEQUENCE,  /* sequence */
    QUERY_DROP_SEQUENCE,   /* drop */
    QUERY_SET_CONSTRAINTS, /* constraints */
    QUERY_ALTER_TABLE,     /* alter_table */
    QUERY_REFRESH,         /* alter_table, refresh_sql */
    QUERY_COMMENT,         /* alter_table: ON a table, or what belongs to one */
    QUERY_OBJECTS,         /* objects: schemas, .. made, changed, dropped */
    QUERY_TRANSACTION,     /* transaction */
    QUERY_SET,             /* set */
    QUERY_RESET,           /* set.name; NULL: ALL */
    QUERY_SHOW,            /* set.name; NULL: ALL */
    QUERY_EXPLAIN,         /* explain */
    QUERY_COPY,            /* copy */
    QUERY_PREPARE,         /* prepare */
    QUERY_EXECUTE,         /* prepare */
    QUERY_DEALLOCATE,      /* prepare.name; NULL: ALL */
    QUERY_DISCARD,         /* discard: "ALL", "PLANS", "SEQUENCES", "TEMP" */
    QUERY_DECLARE,         /* cursor */
    QUERY_FETCH,           /* fetch: MOVE too */
    QUERY_CLOSE,           /* cursor.name; NULL: ALL */
    QUERY_LISTEN,          /* notify.channel */
    QUERY_UNLISTEN,        /* notify.channel; NULL: all */
    QUERY_NOTIFY,          /* notify */
    QUERY_CALL,            /* call */
    QUERY_MAINTENANCE, /* VACUUM, ANALYZE, CHECKPOINT: nothing to do, answer the tag. LOCK TABLE */
};

enum fetch_direction { FETCH_NEXT, FETCH_PRIOR, FETCH_AT, FETCH_FROM_HERE };
#define FETCH_EVERYTHING INT64_MAX

/* Parameters above n_params, which whoever executes the statement binds. */
enum hidden_kind {
    HIDDEN_NOW,  /* the transaction's start: timestamptz */
    HIDDEN_USER, /* text */
    HIDDEN_PID,  /* int4: pg_backend_pid() */
    HIDDEN_CALL, /* call: func->session, of constants and parameters of the client's */
};

struct hidden {
    enum hidden_kind kind;
    const struct expr *call;
};

struct result_column {
    const char *name;
    uint32_t type;
    int32_t typmod;
    uint32_t table; /* oid and 1-based column when it is a plain column of a relation, else 0 */
    int column;
};

/* A base table (or an extra one) that the statement touches. */
struct table_use {
    const struct table *table;
    int count;    /* how many range-table entries */
    bool written; /* target of a write */
};

/* `column` = `value` in INSERT, UPDATE and ON CONFLICT DO UPDATE; the value has its assignment
 * cast and typmod enforced. */
struct assignment {
    int column; /* 0-based */
    struct expr *value;
};

struct on_conflict {
    bool update;           /* DO UPDATE, else DO NOTHING */
    const struct key *key; /* arbiter; NULL: any (DO NOTHING only), or `index` */
    const struct index *index;
    struct expr *index_where;  /* of a partial index */
    struct expr **index_exprs; /* of an index with expressions, in their order */
    struct rte *excluded;
    int n_set;
    struct assignment *set;
    struct expr *where;
};

/* NOTICE for the client, when the statement runs. */
struct query_notice {
    const char *sqlstate, *message;
    const char *detail; /* or NULL */
    bool warning;       /* WARNING instead */
};

/* INSERT, UPDATE, DELETE. INSERT fills every column of the table: `select` gives the values for
 * all n_columns of the target, in table order, defaults and casts included. */
struct write_view;
struct write {
    enum query_kind kind; /* QUERY_INSERT, .. */
    struct rte *target;
    const struct write_view *view; /* by whose names it was written, for the analyser; NULL: none */
    struct select *select; /* INSERT: its rows. UPDATE, DELETE: from, where, ctes live here */
    int n_given;           /* INSERT: the columns of these rows, those that column_is_given() */
    int *given;
    int n_set; /* UPDATE */
    struct assignment *set;
    struct on_conflict *conflict; /* INSERT */
    int n_parts;                  /* MERGE: what it does, as one write for each WHEN */
    struct write **parts;
    int n_returning;
    struct target *returning;
};

enum transaction_kind {
    TRANSACTION_BEGIN,
    TRANSACTION_COMMIT,
    TRANSACTION_ROLLBACK,
    TRANSACTION_SAVEPOINT,
    TRANSACTION_RELEASE,
    TRANSACTION_ROLLBACK_TO,
};

enum isolation {
    ISOLATION_DEFAULT,
    READ_UNCOMMITTED,
    READ_COMMITTED,
    REPEATABLE_READ,
    SERIALIZABLE
};

struct transaction_modes {
    enum isolation isolation;
    int read_only, deferrable; /* 1, 0, or -1: not said */
};

struct copy_options {
    enum { COPY_TEXT, COPY_CSV, COPY_BINARY } format;
    char delimiter, quote, escape;
    const char *null;
    bool header, header_match;
    int n_force_quote, n_force_not_null, n_force_null; /* column numbers, 0-based; -1 first: all */
    int *force_quote, *force_not_null, *force_null;
    const struct encoding *encoding; /* NULL: the client's */
};

struct schema_element {
    const char *text;
    int position; /* characters of the statement before it */
};

/* A constant that can't be computed: the statement fails when it is run. */
struct query_failure {
    const char *sqlstate, *message;
    const char *detail, *hint; /* these may be NULL */
    const char *schema, *table, *column, *constraint, *datatype;
};

/* Of literals that were lifted out of the text */
struct lifted_call {
    const struct expr *expr;
    const struct lifted_call *next;
};

struct query {
    enum query_kind kind;
    const char
        *tag; /* "SELECT", "INSERT 0", "CREATE TABLE", "BEGIN"; a count follows where counts_rows */
    bool counts_rows;

    const char *names;  /* as it was analysed under: sql_context.names, or NULL */
    struct style style; /* of these: constants were read by it, and the statement runs by it */

    int n_params;
    uint32_t *params;        /* types */
    uint32_t *param_domains; /* what clients are told in place of these; 0: these */
    int n_hidden;
    struct hidden *hidden; /* bound as parameters n_params + 1 .. */

    int n_columns; /* of the result: 0 when it returns no rows at all (see `returns`) */
    struct result_column *columns;
    bool returns; /* rows come back: SELECT, RETURNING, EXPLAIN, SHOW */

    int n_notices;
    struct query_notice *notices;

    const char *alone;  /* a statement that can't run inside a transaction block (25001): VACUUM; or
                           NULL */
    bool writes;        /* changes data: has to run on the primary and be replicated */
    bool locks;         /* FOR UPDATE and friends: reads on the writer's path */
    const char *nowait; /* NOWAIT: what it locks, as messages say; NULL: it waits */
    bool system;        /* calls a function that runs where the statement came in */
    /* A parameter can't stand in a literal's place: a table that it reads has an index on an
     * expression with literals in it, or something is decided by constants alone. */
    bool literals_matter;
    const struct lifted_call *calls;     /* see sql_calls_matter() */
    const struct query_failure *failure; /* or NULL */
    /* A constant of it was taken from the clock ('now', 'today'): the same text is another
     * statement later. */
    bool reads_clock;
    bool volatile_; /* calls a volatile function: not to be cached as a result, not pushed down */

    int n_sequences;
    uint64_t *sequences; /* ids of those that nextval() is surely called for */
    bool reads_drawn;    /* currval() or lastval(): what the session has drawn goes along */

    int n_tables;
    struct table_use *tables; /* each table once */
    int n_rtes;
    struct rte **rtes; /* all, at any depth */

    /* A schema change: other tables that change with what it is about, before that (they lose a
     * foreign key). Then, and where it is an ALTER TABLE, it needs a transaction. */
    int n_also;
    struct table_change *also;
    /* ALTER TABLE: views that follow it, in the same transaction. */
    int n_views;
    const struct object_change *views;

    /* WHERE CURRENT OF this cursor: the last of the parameters is its row's ctid, which the session
     * knows and no client gives; NULL: none */
    const char *current_of;

    struct select *select; /* QUERY_SELECT */
    struct write *write;   /* QUERY_INSERT, QUERY_UPDATE, QUERY_DELETE */

    union {
        struct {
            int n_tables;
            const struct table **tables;
            bool cascade, restart_identity;
        } truncate;
        struct {
            struct table
                *table; /* ids, region and version 0: the master fills them in. In the arena */
            bool if_not_exists;
            bool exists; /* with if_not_exists: nothing to do but a NOTICE (42P07) */
            const struct table *colocate; /* WITH (colocate_with = 't'); NULL: none */
            int copies;                   /* WITH (copies = n); 0: default */
            struct sequence *sequences;   /* that go with it, ids 0: table->owned says with which
                                             column, whose values they give */
            const char *fill;             /* CREATE TABLE AS: the INSERT that follows; NULL: none */
        } create_table;
        struct {
            const struct table *table; /* NULL: there is none (IF EXISTS) */
            struct table *next;        /* what it becomes */
            /* In one transaction, in this order: the checks of the rows as they are; file_sql; the
             * record becomes `next`, and the file follows it (see region/schema.c); the checks of
             * the rows as they are then. */
            int n_checks;
            struct alter_check *checks;
            int n_sequences; /* that come with new columns: those of next->owned with the id 0 */
            struct sequence *sequences;
            int n_altered; /* of identity columns */
            struct sequence_change *altered;
            int n_drop; /* sequences that go with columns, by id */
            uint64_t *drop;
            /* Before file_sql: the table is this meanwhile, and the PostgreSQL text of an UPDATE
             * is run, whose rows go through the log; or NULL. */
            struct table *between;
            const char *fill;
            /* REFRESH MATERIALIZED VIEW: `next` NULL: the record stays as it is. Then these run in
             * the same transaction, with sql_context.refreshes; the last may be NULL. */
            const char *refresh_sql[2];
            const char *file_sql; /* SQLite text, what the record does not tell: what is renamed,
                                     or gets other values; NULL: nothing */
        } alter_table;
        struct {
            const struct sequence *old; /* ALTER; NULL: there is none (IF EXISTS) */
            struct sequence *next;      /* CREATE: id 0. ALTER: `last` is to be taken if restart */
            bool restart;
            bool exists; /* CREATE IF NOT EXISTS: nothing to do */
            bool own;    /* OWNED BY was said: `owner`, or NONE when that is NULL */
            const struct table *owner;
            int column;
        } sequence;
        struct {
            const struct table *table;
            struct index *index; /* with its DDL */
            bool if_not_exists, exists;
            struct alter_check *duplicates; /* of a unique one: finds them when it can't be made */
        } create_index;
        struct {
            int n;
            const struct table **tables; /* DROP INDEX: the table of each index */
            const struct index **indexes;
            const struct sequence **sequences; /* DROP SEQUENCE */
            bool cascade;
        } drop;
        struct { /* empty: nothing but notices */
            int n;
            struct object_change *changes;
            int n_drop; /* tables that go before the changes are made */
            const struct table **drop;
            int n_sequences; /* that go, owned by no table of those */
            const struct sequence **sequences;
            int n_moves; /* tables that get another schema: */
            const struct table **moves;
            const char *schema;
            bool force;   /* sessions of a database that goes are ended */
            int n_checks; /* of rows, before the changes; the statement has `also` then */
            struct alter_check *checks;
            int n_elements; /* CREATE SCHEMA .. CREATE ..: statements that follow */
            struct schema_element *elements;
            const char *element_names; /* that they are analysed under; see sql_names() */
        } objects;
        struct {
            enum transaction_kind kind;
            const char *savepoint;
            struct transaction_modes modes; /* of BEGIN */
            bool chain;
        } transaction;
        struct { /* MAINTENANCE: LOCK TABLE in a mode that keeps writers out */
            int n;
            const struct table **tables;
        } lock;
        struct {
            const char *procedure; /* any name */
            int n;
            const char **args; /* text */
        } call;
        struct {
            const char *name;  /* lower case; NULL: all, or SET TRANSACTION and its like: */
            const char *value; /* lists joined by ", "; NULL: DEFAULT */
            bool local;
            bool of_transaction, session_characteristics;
            struct transaction_modes modes;
        } set;
        struct {
            struct query *query;
            const char *text; /* the explained statement's own text */
            bool analyze, verbose, costs, timing, json;
        } explain;
        struct {
            const struct table *table; /* NULL: a query (TO only) */
            struct query *query;       /* TO: the SELECT that gives the rows, also for a table */
            const char *query_text;    /* its PostgreSQL text */
            struct query *insert; /* FROM: INSERT of one row, all of `columns` as parameters $1.. of
                                     the columns' types */
            bool from;
            int n_columns;
            int *columns; /* 0-based, of the table */
            struct copy_options options;
        } copy;
        struct {
            const char *name;
            const char *text;    /* PREPARE: the statement's own text */
            struct query *query; /* PREPARE: analysed */
            const char *into;    /* CREATE TABLE .. AS EXECUTE: what stands before it; else NULL */
            bool no_data;        /* .. WITH NO DATA */
            int n_args;          /* EXECUTE */
            struct expr *
                *args; /* constant expressions, typed as written; unknown literals OID_UNKNOWN */
        } prepare;
        struct {
            const char *name;
            const char *text;    /* the query's own, with the ctids of `n_rows_of` tables behind its
                                    own columns: for WHERE CURRENT OF */
            struct query *query; /* a SELECT; its parameters are the statement's */
            int n_rows_of;
            const struct table **rows_of;
            bool hold, no_scroll, binary;
        } cursor;
        struct {
            const char *cursor;
            enum fetch_direction direction; /* NEXT, PRIOR: `count` rows from here; AT: row `count`,
                                               from the end when negative; FROM_HERE: that far */
            int64_t count;                  /* FETCH_EVERYTHING: all that are left */
            bool move;                      /* MOVE: count them only */
        } fetch;
        struct {
            const char *channel;
            const char *payload;
        } notify;
        struct {
            bool deferred;
            int n; /* foreign keys by their ids; 0: all */
            uint64_t *ids;
        } constraints;
        const char *discard;
    };
};

struct table_change {
    const struct table *old;
    struct table *next;
};

/* What the rows of a table must satisfy to become what ALTER TABLE says. */
struct alter_check {
    const struct table *table; /* NULL: the one that is altered */
    const char *query; /* PostgreSQL text of a SELECT, all names with their schemas: a row of it is
                          one that does not. No LIMIT: only its first row is looked at */
    bool after;        /* on the table as it is then; else as it was */
    const char *sqlstate, *message, *column,
        *constraint;                          /* of the error; the last two may be NULL */
    const char *before_values, *after_values; /* its detail: that row's values, with commas, between
                                                 these two; NULL: none */
};

/* What analysis looks names up in. */
struct sql_context {
    const struct catalog_view *view;
    const struct table *const *extra; /* system tables (id 0), searched after the view's */
    int n_extra;
    const char *names; /* see sql_names(); NULL: the first database, the usual path */
    const char *user;  /* who may own things; NULL: anybody */
    /* Types of $1.. as the client gave them; 0: infer. OID_UNKNOWN: stands for a string literal
     * (sql_lift): inferred as such, text where nothing says otherwise. */
    const uint32_t *param_types;
    int n_params;
    /* The statement is one that fills a materialized view: it may write there, and reads what that
     * is of where it says its name. */
    bool refreshes;
    /* A parameter that was not announced is an error (42P02, simple queries), else it is inferred.
     */
    bool no_params;
    bool lifted; /* the parameters stand for literals of the text */
};

/* All that a statement's meaning hangs on besides the catalog, in one line: the session's database
 * and search_path, the user where the path needs him, the time zone, its temporary tables (records
 * of the catalog, a line for each; NULL: none). The caller frees it. */
char *sql_names(const char *database, const char *user, const char *search_path,
                const struct style *style, const char *temporary) MUST_CHECK;
/* The same with another schema at the head of the search_path. The caller frees it. */
char *sql_names_in(const char *names, const char *schema) MUST_CHECK;
/* The temporary tables in such a line become a part of the view. */
void sql_names_view(const char *names, const struct catalog_view **view);
/* The database in such a line; NULL: the first one. */
const char *sql_names_database(const char *names, struct arena *arena);
/* The names in the text of a search_path, unquoted. False: it is no list of names. */
bool sql_search_path(const char *text, struct arena *arena, const char *const **ret, int *ret_n);

/* What the statement fails with before it looks at any row (query->failure); NULL: nothing. */
struct error *sql_failure(const struct query *q) MUST_CHECK;
/* Of a lifted text: does something fail that it computes of literals alone, or is it NULL? Then the
 * statement is to be analysed with its literals in place, which tells what comes of it. `params`:
 * as for running it. */
bool sql_calls_matter(const struct query *q, const struct value *params, struct arena *arena);

/* The script has to be alive; the query does not need it afterwards. */
struct error *sql_analyse(const struct sql_stmt *stmt, const struct sql_context *ctx,
                          struct arena *arena, struct query **ret);
/* sql_parse + sql_analyse of a text that holds exactly one statement. 42601 when it holds several.
 */
struct error *sql_analyse_text(const char *text, const struct sql_context *ctx, struct arena *arena,
                               struct query **ret);

/* ---- SQLite text -------------------------------------------------------------------------- */

/* All hooks may be NULL. */
struct sql_emit {
    void *ctx;
    /* Prints `e` itself and returns true; false: printed as usual. Asked for every expression, from
     * the outside in: columns, aggregates, whole subexpressions, parameters. */
    bool (*expr)(void *ctx, const struct expr *e, struct buf *out);
    /* Prints what stands for a range-table entry in FROM ('temp."pulled_3"'), without its alias,
     * and returns true. It must have (at least) the used columns under their own names. */
    bool (*table)(void *ctx, const struct rte *r, struct buf *out);
    /* Prints the query that stands for a data-modifying CTE: the rows of its RETURNING. */
    void (*cte)(void *ctx, const struct cte *c, struct buf *out);
    const char
        *with; /* definitions that go before the statement's own WITH: a AS (..), b AS (..) */
};

/* SELECT, INSERT, UPDATE, DELETE as one SQLite statement, result columns in order. `how` may be
 * NULL. */
struct error *sql_emit(const struct query *q, const struct sql_emit *how, struct buf *out);
struct error *sql_emit_select(const struct select *s, const struct sql_emit *how, struct buf *out);
void sql_emit_expr(const struct expr *e, const struct sql_emit *how, struct buf *out);
/* SELECT "a", lower("b") FROM "t" WHERE .. : the given columns of a base table (below 0:
 * computed[-1 - it], expressions over it) and the rows that pass all the filters (r->filters, or
 * some of them, or none). n_columns 0: SELECT 1. */
void sql_emit_scan(const struct rte *r, const int *columns, int n_columns,
                   struct expr *const *computed, struct expr *const *filters, int n_filters,
                   const struct sql_emit *how, struct buf *out);
/* One INSERT, UPDATE or DELETE. no_returning: leave it out. */
struct error *sql_emit_write(const struct write *w, bool no_returning, const struct sql_emit *how,
                             struct buf *out);
/* The definitions of the first n WITH queries: a AS (..), b AS (..) */
void sql_emit_ctes(struct cte *const *ctes, int n, const struct sql_emit *how, struct buf *out);
/* A name of the row id that no column hides; NULL: all are. */
const char *sql_rowid_name(const struct table *t);
/* What a column of a scan, or COLUMN_ROWID, is called. */
const char *sql_scan_column(const struct rte *r, int column);
/* The keys of an index as the region's file has them: "a", lower("b") */
struct error *sql_emit_index_keys(const struct catalog_view *v, const struct table *t,
                                  const struct index *x, struct arena *arena, struct buf *out);
void sql_quote(const char *name, struct buf *out);                          /* "name" */
void sql_emit_value(const struct value *v, uint32_t type, struct buf *out); /* a SQLite literal */

/* ---- PostgreSQL text ------------------------------------------------------------------------ */

/* name, or "Name" where it needs quotes, as PostgreSQL's quote_ident() */
void sql_quote_identifier(const char *name, struct buf *out);
/* An expression of the catalog's as PostgreSQL prints it: over the columns of `t` (NULL: none).
 * With `column` it is that column's default. `pretty`: parentheses only where they are needed. */
void sql_deparse(const struct catalog_view *v, const struct table *t, const char *sql,
                 const struct column *column, bool pretty, struct buf *out);

/* An expression that is the key of an index: in parentheses, unless it is a function's call. */
void sql_deparse_key(const struct catalog_view *v, const struct table *t, const char *sql,
                     bool pretty, struct buf *out);

/* Columns of t that an expression of the catalog's mentions, each once. */
int sql_columns_of(const struct catalog_view *v, const struct table *t, const char *sql,
                   struct arena *arena, int **ret);
/* What may be done to the rows of a view (PostgreSQL's simple ones). */
struct sql_updatable {
    bool deletes, updates; /* INSERT as UPDATE */
    bool *columns;
};
void sql_view_updatable(const struct catalog_view *v, const struct object *view,
                        struct arena *arena, struct sql_updatable *ret);

/* ---- names of relations as text ---------------------------------------------------------------
 */

/* What regclass reads: 'name', 'schema.name', '"Name"'; *ret_schema NULL: none given. 42602. */
struct error *sql_relation_name(const char *text, size_t len, struct arena *a, char **ret_schema,
                                char **ret_name);
/* 42P01, 42809 when it is no sequence. schema NULL: in the first of `path` that has the name. */
struct error *sql_find_sequence(const struct catalog_view *v, const char *schema,
                                const char *const *path, int n, const char *name,
                                const struct sequence **ret);
/* The text of a default: nextval('s'::regclass) */
char *sql_next_value_text(const char *schema, const char *name, struct arena *a);
char *sql_relation_text(const char *schema, const char *name, struct arena *a); /* s."T" */

/* ---- walking ------------------------------------------------------------------------------ */

/* Calls `visit` for e and everything below it, parents first; it returns false to stay out of a
 * node's children. Subqueries' selects are entered too when `selects` is set. */
void expr_walk(const struct expr *e, bool selects, bool (*visit)(void *ctx, const struct expr *e),
               void *ctx);
/* Those of an INSERT, UPDATE or DELETE, with its select. */
void write_walk(const struct write *w, bool selects, bool (*visit)(void *ctx, const struct expr *e),
                void *ctx);
/* All expressions directly in a select (targets, ON, WHERE, GROUP BY, ..), and those of the selects
 * in it when `selects` is set. */
void select_walk(const struct select *s, bool selects,
                 bool (*visit)(void *ctx, const struct expr *e), void *ctx);
/* Those of s->aggs that it reads: constants may have ruled out others. Their number; ret may be
 * s->aggs itself. */
int select_used_aggs(const struct select *s, struct expr **ret);
bool expr_equal(const struct expr *a, const struct expr *b);
uint64_t expr_hash(const struct expr *e); /* equal expressions hash alike */
bool expr_nullable(const struct expr *e); /* may it be NULL? errs on the side of true */
int sql_set_width(const struct expr *e);  /* columns of one of an RTE_CALLS's args */
bool expr_has_subquery(const struct expr *e);
bool expr_is_volatile(const struct expr *e); /* calls a volatile function, also in a subquery */
int expr_height(const struct expr *e);       /* 1: a leaf, which a subquery is */
bool expr_may_fail(const struct expr *e);    /* for some row; errs on the side of true */
bool expr_is_constant(const struct expr *e); /* no column, aggregate, subquery, volatile function */
bool expr_mentions(const struct expr *e, const struct rte *r); /* also inside subqueries */
/* The only range-table entry of `s`'s own FROM that e mentions; NULL: none or several (*ret_n says:
 * 0, 1, 2 = several). Columns of enclosing selects don't count. */
struct rte *expr_single_rte(const struct expr *e, const struct select *s, int *ret_n);
/* Are their equal values equal in hash? Of one type, or integers. */
bool expr_hash_alike(const struct expr *x, const struct expr *y);
/* e is `x = y`, or (*ret_nulls) `x IS NOT DISTINCT FROM y`, of one type whose equal values hash
 * alike; casts that change no bit (integers of all widths) are left out. */
bool expr_is_equality(const struct expr *e, const struct expr **ret_left,
                      const struct expr **ret_right, bool *ret_nulls);
/* Splits nested ANDs. Returns the number; *ret_list in the arena. e may be NULL: 0. */
int expr_conjuncts(struct expr *e, struct arena *arena, struct expr ***ret_list);
/* A select of the simplest shape: PLAIN, its FROM only base tables under inner and left joins, no
 * CTEs, subqueries, window functions, DISTINCT ON, locking: what the batch executor looks at. */
bool select_is_flat(const struct select *s);

/* ---- errors of constraints ----------------------------------------------------------------- */

/* Gives an error that types_sqlite_error() made of a SQLite constraint failure PostgreSQL's text
 * and fields: `duplicate key value violates unique constraint "t_pkey"`, .. Any other error comes
 * back as it was. q: the statement that failed; NULL: not known. */
struct error *sql_name_constraint(const struct catalog_view *view, const struct query *q,
                                  struct error *e);

/* A foreign key that a statement can violate: by a row of the child that it writes, or by one of
 * the parent that it deletes or changes. At most `max`; the number comes back. */
struct sql_suspect {
    const struct foreign_key *fk;
    const struct table *child, *parent;
    bool of_parent;
};
int sql_suspects(const struct catalog_view *view, const struct query *q, struct sql_suspect *ret,
                 int max);
/* Of a key that triggers see to: a query that gives a row while it is broken. `what` is what a
 * trigger told, and its parameters are the values; see foreign_key.c. */
struct error *sql_key_broken(const struct catalog_view *v, const struct sql_suspect *s, char what,
                             struct arena *arena, struct buf *out) MUST_CHECK;

void sql_unique_broken(const struct table *t, const struct key *key, struct arena *arena,
                       struct buf *out);

/* ---- extensions ----------------------------------------------------------------------------- */

struct sql_extension {
    const char *name, *version, *comment;
    bool always; /* in every database, and stays */
};
extern const struct sql_extension sql_extensions[];
extern const size_t sql_n_extensions;
/* Where PostgreSQL has a function that an extension brings; NULL: pg_catalog alone has it. */
const char *sql_extension_schema(const char *function);

/* ---- lifting literals ----------------------------------------------------------------------- */

enum { LIFT_MAX_TEXT = 2000, LIFT_MAX_LITERALS = 64 };
enum lift_kind { LIFT_INT4 = 'i', LIFT_INT8 = 'l', LIFT_NUMERIC = 'n', LIFT_STRING = 's' };

struct lifted_literal {
    char kind;        /* enum lift_kind */
    bool negative;    /* numeric: a minus sign belongs to it and is not in `text` */
    int64_t integer;  /* i, l: with its sign */
    const char *text; /* n, s: into the original statement. s: without the outer quotes .. */
    size_t len;
    bool doubled; /* .. but with quotes still doubled: see lift_text() */
    int offset;   /* bytes in the original text */
};

/* `key`: one letter for each literal, a blank, and the text with $1, $2, .. in their places. */
struct lifted {
    char key[LIFT_MAX_TEXT + 2];
    size_t key_len;
    const char *text; /* in key: what to parse, 0-terminated */
    int n;
    struct lifted_literal literals[LIFT_MAX_LITERALS];
};

/* True when the text is a single SELECT, INSERT, UPDATE or DELETE (WITH too) whose meaning is the
 * same with these literals as parameters of the types that sql_lifted_type() tells. Conservative:
 * false for all that it is not sure of, also for text that has parameters already. No allocation,
 * under a microsecond for short statements. An error in analysing the lifted text should be
 * answered by analysing the original, whose positions are right. */
bool sql_lift(const char *text, size_t len, struct lifted *out);
uint32_t
sql_lifted_type(char kind); /* int4, int8, numeric, OID_UNKNOWN: for sql_context.param_types */
/* The text of a string or numeric literal, quotes undoubled; in the literal itself or in the arena.
 */
const char *lift_text(const struct lifted_literal *l, struct arena *arena, size_t *ret_len);
