/*
 * What the files that make system tables share.
 *
 * system_columns.c lists the relations and their columns as PostgreSQL has them; a maker gives the
 * rows of one. It puts values by the columns' names, in any order, and gives the row: what it did
 * not put is NULL, or 0, false, '' in a column that is NOT NULL. Text is borrowed until the row is
 * given; m->arena lives as long.
 */
#pragma once

#include "exec/exec_int.h"

struct exec__relation {
    const char *schema, *name;
    uint32_t oid;
    char kind;           /* r, v */
    const char *columns; /* "oid oid!, relname name!, .." */
};
extern const struct exec__relation exec__relations[];
extern const size_t exec__n_relations;

struct exec__object;
struct exec__maker {
    struct run *run;
    const struct catalog_view *view;
    const struct plan_scan *scan;
    const struct table *table;
    struct arena arena;
    struct value *values; /* of the present row, all columns */
    struct value *picked; /* those of the scan */
    int next;             /* where the next put looks first */
    /* Only rows with this value in this column are wanted, NULL: all; and, where the column is one
     * that narrows, only those about this object (NULL: about all there is; `none`: there is none).
     */
    const char *key_column;
    const struct value *key;
    const struct exec__object *only;
    bool none;
    exec__row_fn row;
    void *ctx;
};

struct exec__making {
    const char *schema, *relation;
    struct error *(*make)(struct exec__maker *m);
    /* of our own relations, which system_columns.c does not know */
    uint32_t oid;
    const char *columns;
};
/* each ends with a row of zeros */
extern const struct exec__making exec__making_cluster[], exec__making_relations[],
    exec__making_sequences[], exec__making_types[], exec__making_session[],
    exec__making_information[], exec__making_procs[], exec__making_extensions[],
    exec__making_state[], exec__making_domains[], exec__making_own[];

/* ---- putting -------------------------------------------------------------------------------- */

void exec__put(struct exec__maker *m, const char *column, struct value v);
void exec__put_text(struct exec__maker *m, const char *column, const char *s); /* NULL is fine */
void exec__put_int(struct exec__maker *m, const char *column, int64_t i);
void exec__put_char(struct exec__maker *m, const char *column, char c); /* 0: '' */
void exec__put_real(struct exec__maker *m, const char *column, double r);
/* an array of integers, or an int2vector or oidvector, as the column has it */
void exec__put_ints(struct exec__maker *m, const char *column, const int64_t *v, int n);
/* An expression of t's, as PostgreSQL prints it; of a default, with its column. */
void exec__put_expr(struct exec__maker *m, const char *column, const struct table *t,
                    const char *sql, const struct column *of);
/* <what>_catalog, <what>_schema, and <what>_<kind> */
void exec__put_name(struct exec__maker *m, const char *what, const char *kind, const char *schema,
                    const char *name);
/* What a column of information_schema, a domain and a parameter have in common; udt_name */
void exec__put_type(struct exec__maker *m, const struct column *c, int number);
void exec__put_udt(struct exec__maker *m, const struct column *c);
/* The row as it was put; then all is empty again. */
struct error *exec__give(struct exec__maker *m);
bool exec__wants(const struct exec__maker *m, const char *column);

/* ---- what rows are made of: that of m->only, or all there is ----------------------------------
 */

const struct table *const *exec__made_tables(const struct exec__maker *m, size_t *ret_n);
const struct sequence *const *exec__made_sequences(struct exec__maker *m, size_t *ret_n);
/* as exec__next_relation() */
const struct table *exec__next_made(const struct exec__maker *m, size_t *i, char *ret_kind);

/* ---- virtual tables (system_virtual.c) ---------------------------------------------------------
 */

void exec__system_view(struct run *r); /* r->view is there from now on */
/* exec__system_rows() with a key, if it is given, in one of the scan's columns. `narrow`: it is the
 * oid of a relation, or of a part of it, that all rows with the key are about. */
struct error *exec__system_rows_of(struct run *r, const struct plan_scan *scan, int column,
                                   const struct value *key, bool narrow, exec__row_fn row,
                                   void *ctx);

/* ---- leaving out ---------------------------------------------------------------------------- */

/* False: the statement has `column = value` for another value, so that the row is not needed. */
bool exec__needs_int(const struct exec__maker *m, const char *column, int64_t i);
bool exec__needs_text(const struct exec__maker *m, const char *column, const char *s);

/* ---- what there is -------------------------------------------------------------------------- */

/* Fixed object ids, and the only role there is: whoever is connected owns everything. */
enum {
    EXEC__CATALOG = 11, /* see catalog_schema() */
    EXEC__OWNER = 10,
    EXEC__PUBLIC_OWNER = 6171, /* pg_database_owner, who owns schema public */
    EXEC__HEAP = 2,
    EXEC__COLLATION = 100,
};

/* The schemas that users see and make. */
struct error *exec__each_schema(struct exec__maker *m,
                                struct error *(*visit)(struct exec__maker *m, const char *name));
/* Every table, view and system relation in turn, with its pg_class.relkind: r, v; *i begins at 0.
 * NULL: no more. */
const struct table *exec__next_relation(const struct catalog_view *v, size_t *i, char *ret_kind);
/* a sequence as it looks when it is read as a table */
struct table exec__sequence_table(const struct sequence *s);
/* a user's view; NULL: t is none */
const struct object *exec__view_of(const struct catalog_view *v, const struct table *t);
/* a materialized one, too */
const struct object *exec__query_of(const struct catalog_view *v, const struct table *t);
/* pg_rewrite's row of a view: in a range that nothing else has */
static inline uint32_t exec__rule_oid(const struct object *view)
{
    return UINT32_C(0x80000000) | catalog_oid(view->id);
}
/* what a view reads, as SQL */
void exec__define_view(const struct object *view, struct buf *out);
int exec__n_system_tables(void);
const struct table *exec__system_table(int i, const struct exec__relation **ret);
uint32_t exec__namespace_oid(const struct catalog_view *v, const char *schema);

/* An index as PostgreSQL sees it: also the one beneath a key. */
struct exec__index {
    uint32_t oid, constraint; /* constraint 0: a plain index */
    const char *name;
    bool unique, primary, deferrable, nulls_equal;
    int n_columns;
    const int *columns; /* as in struct index */
    const struct index_expression *expressions;
    int n_expressions, n_included;
    const int *included;
    const bool *descending, *nulls_first; /* may be NULL */
    uint32_t method;                      /* AM_BTREE, .. */
    const uint32_t *classes;              /* NULL, 0: the default */
    const char *where_sql;                /* of a partial index; NULL: all rows */
    const char *options;                  /* as in struct index */
};
int exec__n_indexes(const struct table *t);
/* false: not an index of its own */
bool exec__index(const struct table *t, int i, struct exec__index *ret);
/* The i-th column of an index, keys first, then what INCLUDE names. */
struct column exec__index_column(const struct table *t, const struct exec__index *x, int i);

enum exec__object_kind {
    OBJECT_TABLE, /* a system relation, too */
    OBJECT_VIEW,
    OBJECT_SEQUENCE,
    OBJECT_INDEX,
    OBJECT_KEY,
    OBJECT_CHECK,
    OBJECT_FOREIGN_KEY,
};
struct exec__object {
    enum exec__object_kind kind;
    uint32_t oid;
    const struct table *table;       /* that it is or belongs to */
    int part;                        /* which of its indexes (as exec__index counts), keys, .. */
    char relkind;                    /* of the table: pg_class.relkind */
    const struct sequence *sequence; /* that it is */
};
const struct exec__object *exec__object(const struct exec__objects *o, uint32_t oid); /* or NULL */
bool exec__is_relation(const struct exec__object *x); /* has a row in pg_class */
const char *exec__object_name(const struct exec__object *x);
const struct catalog_view *exec__objects_view(const struct exec__objects *o);
/* Those of the statement that the session runs now; NULL: it runs none. */
struct exec__objects *exec__objects_now(struct exec_session *s);
/* a table, view, sequence or index; NULL: there is none */
const struct exec__object *exec__relation_named(const struct exec__objects *o, const char *schema,
                                                const char *name);
/* Does a foreign key point at it? */
bool exec__is_referenced(const struct exec__objects *o, const struct table *t);
/* as catalog_sequence_owner() */
const struct table *exec__owner_of(const struct exec__objects *o, uint64_t sequence,
                                   int *ret_column);
/* Schemas in which names are looked for, by the session's search_path, in order: pg_catalog, too.
 */
int exec__search_path(struct exec_session *s, const struct catalog_view *v, struct arena *a,
                      const char ***ret);
/* Is it found by its name alone? */
bool exec__is_visible(struct exec_session *s, const struct exec__objects *o, const char *schema,
                      const char *name);
bool exec__is_type_visible(struct exec_session *s, const struct exec__objects *o,
                           const struct object *type);
/* schema.name, quoted; without the schema where that is not needed and `qualify` does not ask */
void exec__print_relation(struct exec_session *s, const struct exec__objects *o, const char *schema,
                          const char *name, bool qualify, struct buf *out);
/* A user's type by its oid, or by that of its arrays: *ret_array. NULL: there is none. */
const struct object *exec__type_by_oid(const struct catalog_view *v, uint32_t oid, bool *ret_array);

/* ---- comments (comment.c) -------------------------------------------------------------------- */

struct exec__comment {
    uint32_t oid, class; /* pg_description's objoid and classoid */
    int part;            /* a column's number, or 0 */
    const char *text;
};
typedef struct error *exec__comment_fn(void *ctx, const struct exec__comment *c);
struct error *exec__each_comment(const struct catalog_view *v, exec__comment_fn *f, void *ctx);
struct error *exec__each_database_comment(const struct catalog_view *v, exec__comment_fn *f,
                                          void *ctx);
uint32_t exec__class_oid(const char *name); /* of "pg_class" and its like; 0: has no comments */
/* On an object that `class` (0: any) has; NULL: there is none. */
const char *exec__comment(const struct exec__objects *all, uint32_t oid, uint32_t class);
const char *exec__column_comment(const struct exec__objects *all, uint32_t oid, int64_t number);

/* ---- definitions (define.c): SQL that makes an object ---------------------------------------- */

void exec__define_index(struct exec_session *s, const struct exec__objects *o,
                        const struct table *t, const struct exec__index *x, bool pretty,
                        struct buf *out);
/* a column of it, from 1; nothing when there is none */
void exec__define_index_column(const struct catalog_view *v, const struct exec__object *o,
                               int column, bool pretty, struct buf *out);
/* false: it is no constraint */
bool exec__define_constraint(struct exec_session *s, const struct exec__objects *o,
                             const struct exec__object *x, bool pretty, struct buf *out);

/* ---- functions about what runs (function_state.c) -------------------------------------------- */

types_system_fn exec__lock_, exec__lock_shared, exec__lock_xact, exec__lock_xact_shared,
    exec__try_lock, exec__try_lock_shared, exec__try_lock_xact, exec__try_lock_xact_shared,
    exec__unlock_, exec__unlock_shared, exec__unlock_all, exec__cancel_backend,
    exec__terminate_backend;

/* ---- functions that tools ask (function_tool.c) ------------------------------------------------
 */

types_system_fn exec__transaction_number, exec__transaction_number_if_any, exec__xid_age,
    exec__blocking_pids, exec__empty_array, exec__describe_object, exec__file_node,
    exec__my_temp_schema, exec__method_property, exec__index_property, exec__index_column_property,
    exec__current_query, exec__client_address, exec__client_port, exec__server_address,
    exec__server_port, exec__not_in_recovery, exec__encoding_length, exec__live_rows, exec__zero,
    exec__zero_real, exec__size_bytes;

bool exec__by_value(const struct type *t);
char exec__align(const struct type *t);
char exec__storage(const struct type *t);
uint32_t exec__collation(const struct type *t);
uint32_t exec__opclass(uint32_t method, uint32_t type); /* the default; 0: none */
/* a schema's name; NULL: there is none */
const char *exec__namespace_name(const struct catalog_view *v, uint32_t oid);
/* functions, also a type's input and output functions */
uint32_t exec__func_oid(const struct func *f);
/* The type of a relation's rows, or of arrays of them. */
uint32_t exec__row_type_oid(uint32_t class, bool array);
uint32_t exec__io_function(const char *name); /* 0: there is none */
/* The one with just these arguments (a prefix operator's are 0 and another); 0: there is none. */
uint32_t exec__func_with(const char *name, bool is_operator, const uint32_t *args, int n);
int exec__operators_named(const char *name, uint32_t *ret_oid);
bool exec__print_operator(uint32_t oid, bool arguments, struct buf *out);
int exec__funcs_named(const char *name, uint32_t *ret_oid); /* how many; one of them */
const struct func *exec__func_by_oid(uint32_t oid);         /* not input and output functions */
const char *exec__func_name(uint32_t oid);                  /* NULL: there is none */
bool exec__print_procedure(uint32_t oid, struct buf *out);  /* int4in(cstring) */
void exec__print_arguments(const uint32_t *args, int n, const char *between, struct buf *out);
