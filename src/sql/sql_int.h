/*
 * What the files of sql/ that read PostgreSQL's parse nodes share: the state of one analysis, name
 * scopes, coercion.
 *
 * Locations: PostgreSQL's nodes carry byte offsets into the parsed text, -1 for none. Inside sql/
 * `location` is always such an offset and expr->position is location + 1; sql__at() turns it into
 * the character position that a client wants, only when there is an error to report.
 */
#pragma once

#include "raw.h"

#include "sql/sql.h"

#include <errno.h>
#include <strings.h>

/* ---- parse.c --------------------------------------------------------------------------------- */

struct sql_insertion {
    size_t at; /* byte of the parsed text */
};

int sql__position(const struct sql_script *s, int location);
bool sql__is_insertion(const struct sql_script *s,
                       int location); /* a place inside an ON true of ours */

/* ---- the state of one analysis ------------------------------------------------------------------
 */

/* Pointers, grown in the arena. */
struct list {
    void **items;
    int n, cap;
};
void sql__push(struct arena *arena, struct list *l, void *item);

/* What the session's names hang on (names.c). */
struct sql_path {
    const char *database;
    int n;
    const char **schemas; /* some may not exist */
    bool catalog_first;   /* pg_catalog before all of them */
    bool temporary_first; /* before that, the session's temporary tables: it has some */
};

struct analysis {
    const struct sql_context *ctx;
    const struct sql_path *path;
    struct arena *arena;
    const struct sql_script *script;
    struct query *q;
    int depth;
    int n_params, cap_params;
    int last_param;       /* the highest that is written */
    struct expr *current; /* the parameter of WHERE CURRENT OF; its number is not known yet */
    uint32_t *params;     /* 0: not known yet */
    uint32_t *param_domains;
    struct list open;   /* EXPR_PARAM nodes made while their type was unknown */
    struct list hidden; /* EXPR_PARAM nodes; param is -1 - hidden_kind until sql__finish_params() */
    struct list rtes, ctes, selects;
    struct list domains;                         /* what values of a domain go through (domain.c) */
    const struct object *domain_was, *domain_is; /* ALTER DOMAIN; NULL otherwise */
    struct list sources;              /* of columns whose values change (alter_column.c) */
    const struct list *new_sequences; /* CREATE TABLE: those of its columns so far; else NULL */
    int n_windows;
    bool lifted;                  /* a parameter stands for a literal */
    bool sets_config;             /* by set_config(), before what reads settings */
    const struct object *reading; /* the view whose text this is; NULL: a statement's own */
    bool as_written;              /* casts of constants stay (deparse.c) */
    struct view_draft *view;      /* CREATE VIEW: what is noted of its SELECT; NULL otherwise */
};

/* What is being analysed, for the rules and messages that hang on it. */
enum clause {
    CLAUSE_SELECT,
    CLAUSE_FROM_FUNCTION,
    CLAUSE_ON,
    CLAUSE_WHERE,
    CLAUSE_GROUP,
    CLAUSE_HAVING,
    CLAUSE_ORDER,
    CLAUSE_DISTINCT_ON,
    CLAUSE_WINDOW,
    CLAUSE_FILTER,
    CLAUSE_LIMIT,
    CLAUSE_OFFSET,
    CLAUSE_VALUES,
    CLAUSE_UPDATE,
    CLAUSE_RETURNING,
    CLAUSE_CHECK,
    CLAUSE_DOMAIN, /* CHECK of a domain */
    CLAUSE_INDEX_PREDICATE,
    CLAUSE_INDEX_EXPRESSION,
    CLAUSE_GENERATED,
    CLAUSE_TRANSFORM, /* ALTER COLUMN .. TYPE .. USING */
    CLAUSE_DEFAULT,
    CLAUSE_EXECUTE,
    CLAUSE_CONFLICT_WHERE,
};

struct name_column {
    const char *name;
    struct expr *expr;
    bool unlisted; /* * does not give it */
};

/* One name that FROM made visible. Joins with USING have an item of their own for the merged
 * columns, which hides the columns of both sides. */
struct name_item {
    const char *name; /* NULL: a join without alias */
    struct rte *rte;  /* or NULL: a join */
    int n_columns;
    struct name_column *columns; /* NULL: those of rte */
    bool table_visible, columns_visible;
    bool not_lateral; /* left side of the RIGHT or FULL join that is being read */
};

/* A WITH clause that is being read. Its items are read in their order, but those of a WITH
 * RECURSIVE when the first one asks for them. */
struct with {
    struct scope *scope;
    const WithClause *clause;
    enum { WITH_PENDING, WITH_BEGUN, WITH_DONE } * states; /* of its items */
    int current;                                           /* the one begun last */
};

struct scope {
    struct scope *parent;
    struct with *with;     /* of this level, also in copies of the scope */
    struct select *select; /* whose FROM this is; NULL: a write's */
    struct list items;     /* struct name_item */
    struct list ctes;      /* struct cte visible here */
    struct list aggs, windows, groupings;
    struct list projections;   /* struct rte: functions in the target list that return rows */
    const char *no_sets;       /* inside of this (CASE) no such function may stand */
    struct list named_windows; /* WindowDef of the WINDOW clause */
    struct list siblings;      /* of FROM: struct name_item to the left, which LATERAL sees */
    bool referenced;           /* something in an inner scope was found here */
    enum clause clause;
    bool in_agg, in_window;
    bool from_done; /* FROM is complete: an aggregate may belong here */
};

/* error at a place of the source */
struct error *sql__at(const struct analysis *a, struct error *e, int location);
struct error *sql__unsupported(const struct analysis *a, int location, const char *hint,
                               const char *what, ...) PRINTF_LIKE(4, 5);
const char *sql__type(const struct analysis *a, uint32_t oid); /* for messages */
const char *sql__type_of(const struct analysis *a, uint32_t type, uint32_t domain);

/* Guards recursion: every recursive descent goes through these two. */
struct error *sql__enter(struct analysis *a, int location);
void sql__leave(struct analysis *a);

/* ---- analyse.c ----------------------------------------------------------------------------------
 */

struct rte *sql__new_rte(struct analysis *a, enum rte_kind kind, const char *name, int location);
struct select *sql__new_select(struct analysis *a, enum select_kind kind, struct select *parent);
/* Parses and analyses an expression of the catalog's (a DEFAULT, a CHECK). */
struct error *sql__stored_expr(struct analysis *a, struct scope *s, const char *sql,
                               struct expr **ret);
struct error *sql__finish_params(struct analysis *a);
struct error *sql__analyse_node(const Node *n, const struct sql_stmt *stmt,
                                const struct sql_context *ctx, struct arena *arena,
                                struct query **ret);
const char *sql__slice(const struct analysis *a, size_t start, size_t end); /* of the parsed text */
void sql__list_columns(struct analysis *a, const struct target *targets, int n);

/* ---- names.c ------------------------------------------------------------------------------------
 */

const struct sql_path *sql__path(const struct sql_context *ctx, struct arena *arena);
/* Time zone and styles in the context's names. */
struct style sql__style(const struct sql_context *ctx, struct arena *arena);
struct error *sql__find_table(const struct analysis *a, const RangeVar *rv,
                              const struct table **ret); /* 42P01 */
/* For commands, which tell no position, and 3F000 for a schema that does not exist. */
struct error *sql__find_named(const struct analysis *a, const RangeVar *rv,
                              const struct table **ret_table, const struct object **ret_view);
/* The same, of a table: 42809 for a view. */
struct error *sql__find_relation(const struct analysis *a, const RangeVar *rv,
                                 const struct table **ret);
const struct table *sql__lookup_table(const struct analysis *a, const RangeVar *rv);
/* of a kind that shares no space of names with tables */
const struct object *sql__lookup_object(const struct analysis *a, enum object_kind kind,
                                        const RangeVar *rv);
const struct object *sql__lookup_view(const struct analysis *a, const RangeVar *rv);
/* 42P01. schema NULL: the name came without one. */
struct error *sql__undefined_relation(const char *schema, const char *name);
/* A table, or else a view: whichever the path finds first. 42P01 */
struct error *sql__find_source(const struct analysis *a, const RangeVar *rv,
                               const struct table **ret_table, const struct object **ret_view);
const char *sql__path_text(const struct analysis *a); /* of a search_path without "$user" */
const struct table *sql__lookup_index(const struct analysis *a, const RangeVar *rv,
                                      const struct index **ret);
const struct sequence *sql__lookup_sequence(const struct analysis *a, const RangeVar *rv);
const struct table *sql__lookup_key(const struct analysis *a, const RangeVar *rv);
/* a table, a view, an index, a key, or a sequence */
bool sql__relation_exists(const struct analysis *a, const char *schema, const char *name);
const char *sql__current_schema(const struct analysis *a); /* NULL: none in the path exists */
struct expr *sql__current_schema_expr(const struct analysis *a, int location);
/* Where a new relation goes. 3F000, 42501 */
struct error *sql__target_schema(const struct analysis *a, const RangeVar *rv, char **ret);
/* The same for a table, which may be temporary. */
struct error *sql__table_schema(const struct analysis *a, const RangeVar *rv, char **ret);
struct error *sql__check_schema(const struct analysis *a, const char *name); /* the same, by name */
bool sql__is_temporary(const char *schema);
struct error *sql__no_schema(const char *name); /* 3F000 */
const char *sql__list_name(const struct analysis *a,
                           const char *name); /* for a search_path's text */

/* ---- coerce.c -----------------------------------------------------------------------------------
 */

struct expr *sql__new_expr(const struct analysis *a, enum expr_kind kind, uint32_t type,
                           int location, int n_args);
struct expr *sql__const(const struct analysis *a, uint32_t type, struct value v, int location);
struct expr *sql__const_int(const struct analysis *a, uint32_t type, int64_t i);
struct expr *sql__const_null(const struct analysis *a, uint32_t type, int location);
bool sql__can_coerce(const struct expr *e, uint32_t to, enum cast_context context);
/* e as a value of `to`; casts, literals and parameters are resolved. typmod -1: none.
 * CAST_ASSIGNMENT refuses what is too long, CAST_EXPLICIT cuts it. 42846 when there is no cast. */
struct error *sql__coerce(struct analysis *a, struct expr *e, uint32_t to, int32_t typmod,
                          enum cast_context context, struct expr **ret);
struct error *sql__assign(struct analysis *a, struct expr *e, const struct column *column,
                          int location, struct expr **ret); /* 42804 */
struct error *sql__boolean(struct analysis *a, struct expr *e, const char *what, struct expr **ret);
/* Types of a UNION, CASE, VALUES, ..: PostgreSQL's rules. 42804. */
struct error *sql__common_type(struct analysis *a, struct expr *const *exprs, int n,
                               const char *what, uint32_t *ret);
int32_t sql__common_typmod(struct expr *const *exprs, int n, uint32_t type);
/* Resolves an operator that is not `typed` (a comparison) over args (1 or 2) and coerces them in
 * place. */
struct error *sql__operator(struct analysis *a, const char *name, struct expr **args, int n,
                            int location, const struct func **ret);
/* simplify.c: makes a constant of a new call, if that is what it is; what fails is left, and is
 * told by sql__find_failure(), at the end. */
void sql__simplify(struct analysis *a, struct expr *e);
void sql__simplify_choice(struct analysis *a, struct expr *e); /* a new CASE, COALESCE */
void sql__simplify_in(struct analysis *a, struct expr *e);     /* a new EXPR_IN */
void sql__simplify_nullif(struct analysis *a, struct expr *e); /* a new EXPR_NULLIF */
/* Of a WHERE or ON: false, where it can't become true whatever the rows are, and without what never
 * is of an OR, so that nothing in that is computed. */
struct expr *sql__simplify_condition(struct analysis *a, struct expr *e);
void sql__order_conditions(struct analysis *a, struct expr *e); /* as PostgreSQL tests them */
void sql__find_failure(struct analysis *a);
struct error *sql__call(struct analysis *a, const char *name, struct expr **args, int n,
                        int location, struct expr **ret); /* an operator as EXPR_FUNC */
/* A call whose args are still to be set; sql__bind_call() resolves the polymorphic types of the row
 * that was chosen, coerces the arguments, and adds the hidden one. */
struct expr *sql__new_call(const struct analysis *a, enum expr_kind kind, int location, int n_args);
void sql__fold_call(struct analysis *a, struct expr **e); /* of constants: its value */
struct error *sql__bind_call(struct analysis *a, const struct func *f, struct expr *e);
/* The same for any kind of function. */
struct error *sql__call_kind(struct analysis *a, const char *name, enum func_kind kind,
                             struct expr *const *args, int n, int location, struct expr **ret);
struct error *sql__param(struct analysis *a, int number, int location, struct expr **ret);
struct expr *sql__hidden(struct analysis *a, enum hidden_kind kind, uint32_t type);
struct expr *sql__hidden_call(struct analysis *a, struct expr *call);
/* The row on which a cursor is: one more parameter, behind those that are written. */
struct error *sql__current_row(struct analysis *a, const CurrentOfExpr *n, struct expr **ret);
/* ret_domain: it may be a domain, whose type beneath comes back, and its oid, or 0; NULL: 0A000 */
struct error *sql__type_name(const struct analysis *a, const TypeName *t, const struct type **ret,
                             int32_t *ret_typmod, uint32_t *ret_domain);
/* Column `column` of a select's result as `type`: casts are put into every arm. */
struct error *sql__coerce_select_column(struct analysis *a, struct select *s, int column,
                                        uint32_t type);
void sql__default_unknown(struct analysis *a,
                          struct expr **e); /* an unknown literal becomes text */

/* ---- expr.c -------------------------------------------------------------------------------------
 */

struct error *sql__expr(struct analysis *a, struct scope *s, const Node *n, struct expr **ret);
int sql__location(const Node *n);            /* leftmost, as far as it is known; or -1 */
const char *sql__column_name(const Node *n); /* what PostgreSQL calls a result column */
struct error *sql__grouping(struct analysis *a, struct scope *s, const GroupingFunc *n,
                            struct expr **ret);
struct error *sql__func_call(struct analysis *a, struct scope *s, const FuncCall *f,
                             struct expr **ret);
/* A call of a FUNC_SET, where one may stand. */
struct error *sql__set_call(struct analysis *a, struct scope *s, const FuncCall *n,
                            struct expr **ret);
struct error *sql__sublink(struct analysis *a, struct scope *s, const SubLink *l,
                           struct expr **ret);
/* (a, b) op (SELECT x, y ..) */
struct error *sql__row_sublink(struct analysis *a, struct scope *s, const Node *row,
                               const SubLink *n, const char *op, int location, struct expr **ret);

/* ---- json.c -------------------------------------------------------------------------------------
 */

/* A value of any type as json or jsonb. */
struct error *sql__as_json(struct analysis *a, struct expr *e, uint32_t json_type,
                           struct expr **ret);
/* A row, whole or ROW(..), as json with its columns' names: {"a":1,"b":2}, `between` its members.
 */
struct error *sql__json_row(struct analysis *a, struct scope *s, const Node *row,
                            const char *between, struct expr **ret);
const Node *sql__json_rows(struct analysis *a, struct scope *s, const Node *n);
/* A call of json_populate_record() or its kin with the row of a table, and the fields that it
 * gives; NULL: it is none. */
const FuncCall *sql__populated(struct analysis *a, struct scope *s, const Node *n);
struct error *sql__populated_fields(struct analysis *a, struct scope *s, const FuncCall *f,
                                    int *ret_n, struct target **ret);
/* (SELECT x FROM (..) x), of which a function makes json: its i'th argument. */
bool sql__is_row_select(const Node *n);
struct error *sql__json_row_select(struct analysis *a, struct scope *s, const char *name,
                                   const List *args, int i, struct expr **ret);
struct error *sql__json_between(const struct analysis *a, const char *name, const List *args,
                                const char **ret);
/* json_to_record(..) and its kin with a list of columns, as the subquery that it stands for; *ret
 * NULL: it is something else. */
struct error *sql__json_record(struct analysis *a, struct scope *s, const RangeFunction *n,
                               const Node **ret);
struct error *sql__json_subscripts(struct analysis *a, struct scope *s, struct expr *json,
                                   const List *subscripts, struct expr **ret);
/* The name of the function that takes the place of a call's: json_agg() of rows or arrays. */
const char *sql__json_variant(const char *name, const struct expr *arg, bool is_row);

/* ---- scope.c ------------------------------------------------------------------------------------
 */

struct error *sql__column_ref(struct analysis *a, struct scope *s, const ColumnRef *c,
                              struct expr **ret);
bool sql__is_system_column(const char *name); /* ctid, xmin, .. */
/* 42P01 for a name of a relation that can't be seen; schema may be NULL. */
struct error *sql__no_relation(const struct analysis *a, struct scope *s, const char *schema,
                               const char *name, int location);
struct expr *sql__column(struct analysis *a, struct rte *r, int column, int location);
/* Its ctid. 0A000 where the table hides it. */
struct error *sql__row_number(struct analysis *a, struct rte *r, int location, struct expr **ret);
struct expr *sql__item_column(struct analysis *a, struct name_item *item, int i, int location);
const char *sql__item_column_name(const struct name_item *item, int i);
bool sql__item_column_unlisted(const struct name_item *item, int i); /* not in the item's * */
bool sql__item_column_gone(const struct name_item *item, int i);     /* it was dropped */
struct name_item *sql__add_item(struct analysis *a, struct scope *s, struct rte *r);
/* name of a relation -> item; NULL: none. Only this scope */
struct name_item *sql__find_item(struct scope *s, const char *name);
/* A name of `outer` is used in `inner`: the selects between depend on the outer row. */
void sql__mark_correlated(struct scope *inner, struct scope *outer);
/* The same; with a schema, only its table, not under an alias. */
struct name_item *sql__find_item_in(struct scope *s, const char *schema, const char *name);
bool sql__unaliased(const struct name_item *item); /* a table under its own name */
/* In this scope only: sets *ret NULL when no item has it. 42702. */
struct error *sql__find_column(struct analysis *a, struct scope *s, const char *name, int location,
                               struct expr **ret);

/* ---- search.c -----------------------------------------------------------------------------------
 */

/* What SEARCH and CYCLE of a WITH query add to it: columns of it, by their indexes, or -1. */
struct with_search {
    const CommonTableExpr *with;
    int sequence, mark, path;
    struct expr *marked, *unmarked; /* the mark's two values */
};
/* In this order: before its query is read; when its start was, and its columns are known; when its
 * step was, where `own` stands for the rows found so far. */
struct error *sql__search_marks(struct analysis *a, struct scope *s, const CommonTableExpr *n,
                                struct with_search *ret);
void sql__search_columns(struct analysis *a, struct cte *c, struct with_search *x);
struct error *sql__search(struct analysis *a, const struct cte *c, const struct with_search *x,
                          struct select *all, struct rte *own);

/* ---- row.c --------------------------------------------------------------------------------------
 */

/* Is the node a row: ROW(..), (a, b), a relation's name? */
/* f, as in SELECT f FROM json_array_elements(..) f; NULL: it is something else */
struct expr *sql__scalar_item(struct analysis *a, struct scope *s, const ColumnRef *c);
/* The first n of (arg).x[1].y */
struct error *sql__indirection(struct analysis *a, struct scope *s, const Node *arg,
                               const List *all, int n, int location, struct expr **ret);
bool sql__is_row_type(uint32_t type); /* record, or a composite one */
enum { SQL__RECORD_FIELDS = 100 };    /* so many at most */
/* A record of these values; and the first field of one that is an int8. */
struct error *sql__make_record(struct analysis *a, struct target *fields, int n, struct expr **ret);
struct expr *sql__record_depth(struct analysis *a, struct expr *record);
/* ROW(..), which can be made a composite type's value */
bool sql__is_made_row(const struct expr *e);
struct error *sql__to_composite(struct analysis *a, struct expr *row, uint32_t type,
                                enum cast_context context, struct expr **ret);
/* Fields of a value of such a type: all, or the one of this name */
struct error *sql__value_fields(struct analysis *a, struct expr *e, int location, int *ret_n,
                                struct target **ret);
struct error *sql__value_field(struct analysis *a, struct expr *e, const char *name, int location,
                               struct expr **ret);
/* The column's value `before`, of a composite type, with `value` in the field that the indirection
 * begins with, or in a part of it. */
struct error *sql__set_field(struct analysis *a, struct scope *s, const struct column *column,
                             struct expr *before, const List *indirection, struct expr *value,
                             int location, struct expr **ret);
uint32_t sql__field_type(struct analysis *a, uint32_t type, const char *name); /* text: no such */
struct error *sql__value_null_test(struct analysis *a, struct expr *e, bool is_null, int location,
                                   struct expr **ret);
bool sql__has_fields(struct analysis *a, struct scope *s,
                     const Node *n); /* (n).x may be asked for */
bool sql__is_row(struct analysis *a, struct scope *s, const Node *n);
/* Its fields and their names (f1, f2, .. without others). */
struct error *sql__row_fields(struct analysis *a, struct scope *s, const Node *n, int *ret_n,
                              struct target **ret);
/* Of a whole row of a table or view: the fields get the names that its type has, whatever FROM
 * calls them. */
void sql__row_type_names(struct analysis *a, struct scope *s, const Node *n, struct target *fields);
struct error *sql__row_compare(struct analysis *a, struct scope *s, const Node *l, const Node *r,
                               const char *op, int location, struct expr **ret);
struct error *sql__row_distinct(struct analysis *a, struct scope *s, const Node *l, const Node *r,
                                int location, struct expr **ret);
struct error *sql__row_null_test(struct analysis *a, struct scope *s, const Node *n, bool is_null,
                                 int location, struct expr **ret);
struct error *sql__row_value(struct analysis *a, struct scope *s, const Node *n, struct expr **ret);
struct error *sql__row_field(struct analysis *a, struct scope *s, const Node *row, const char *name,
                             int location, struct expr **ret);
/* 0A000 for a record whose text does not tell equal ones from others, or order. */
struct error *sql__missing_row(struct analysis *a, struct scope *s, const Node *n,
                               struct expr *value, struct expr **ret);
struct error *sql__record_rules(struct analysis *a, const struct expr *e, const char *clause);
/* 42883 if values of a type can't be compared, by order or at all. `array`: it tells of an array's
 * items. */
struct error *sql__compares(const struct analysis *a, uint32_t type, bool array, bool order);

/* ---- from.c -------------------------------------------------------------------------------------
 */

struct error *sql__from(struct analysis *a, struct scope *s, const List *items);
struct rte *sql__base_rte(struct analysis *a, const struct table *t, const char *name,
                          int location);
int sql__leftmost(const Node *n); /* a place within an item of FROM, before all that is nested */

/* ---- array.c ------------------------------------------------------------------------------------
 */

struct error *sql__array_expr(struct analysis *a, struct scope *s, const A_ArrayExpr *n,
                              uint32_t type, int32_t typmod, struct expr **ret);
struct error *sql__array_any(struct analysis *a, struct expr *left, struct expr *right,
                             const char *op, bool all, int location, struct expr **ret);
struct error *sql__array_select(struct analysis *a, struct select *sel, int location,
                                struct expr **ret);
struct error *sql__subscript(struct analysis *a, struct scope *s, struct expr *array,
                             const List *indirection, struct expr **ret);
struct error *sql__set_json_item(struct analysis *a, struct scope *s, const struct column *column,
                                 struct expr *before, const List *indirection, struct expr *value,
                                 int location, struct expr **ret);
/* What is assigned to a part of a column of this type. */
uint32_t sql__item_type(struct analysis *a, uint32_t type, const List *indirection);
/* Of an indirection: what stands from `at` on; and of that the subscripts at its beginning. */
List *sql__list_from(struct analysis *a, const List *all, int at);
List *sql__subscripts(struct analysis *a, const List *all, int at);
struct error *sql__set_item(struct analysis *a, struct scope *s, const struct column *column,
                            struct expr *before, const List *indirection, struct expr *value,
                            int location, struct expr **ret);

/* ---- set.c --------------------------------------------------------------------------------------
 */

/* s: what the arguments see. Without the alias's names for columns. */
struct error *sql__function_rte(struct analysis *a, struct scope *s, const RangeFunction *n,
                                struct rte **ret);

/* A call in a target list: where its columns begin in an entry that will stand last in FROM. */
struct error *sql__project_set(struct analysis *a, struct scope *s, struct expr *call,
                               struct rte **ret, int *ret_column);
/* Puts these entries into FROM, those that come before groups and windows. */
void sql__finish_projections(struct analysis *a, struct scope *s, struct select *sel);
/* The others stand in the FROM of a select over this one: the select that gives the rows. */
struct select *sql__project_over(struct analysis *a, struct scope *s, struct select *sel);
bool sql__returns_set(const struct scope *s, const struct expr *e); /* is such a call in it? */
const char *sql__clause_text(enum clause c); /* where functions are not allowed; NULL: allowed */

/* ---- select.c -----------------------------------------------------------------------------------
 */

struct error *sql__select(struct analysis *a, struct scope *parent, const SelectStmt *n,
                          struct select **ret);
struct error *sql__option_on(const DefElem *d, bool *ret); /* 42601 */
struct error *sql__check_vacuum(const struct analysis *a, const VacuumStmt *n);
struct error *sql__no_into(const struct analysis *a, const SelectStmt *n); /* 42601 */
struct error *sql__with(struct analysis *a, struct scope *s, const WithClause *w);
/* Item i, unless that is done. */
struct error *sql__with_item(struct analysis *a, struct with *w, int i);
struct error *sql__targets(struct analysis *a, struct scope *s, const List *list, int *ret_n,
                           struct target **ret);
/* ORDER BY of a window or an aggregate */
struct error *sql__order(struct analysis *a, struct scope *s, const List *list, int *ret_n,
                         struct order_item **ret);
struct error *sql__window(struct analysis *a, struct scope *s, const WindowDef *def,
                          struct window **ret);

/* ---- write.c, command.c, and a file for each kind of DDL
 * --------------------------------------------------------------------- */

/* a->q->write becomes the statement. outer: what is around it in a WITH, or NULL. */
struct error *sql__insert(struct analysis *a, struct scope *outer, const InsertStmt *n);
struct error *sql__update(struct analysis *a, struct scope *outer, const UpdateStmt *n);
struct error *sql__delete(struct analysis *a, struct scope *outer, const DeleteStmt *n);
struct error *sql__merge(struct analysis *a, const MergeStmt *n);
/* For merge.c: the pieces of an INSERT and an UPDATE. */
/* 428C9: may the column get a value other than its own? identity: does that count? */
struct error *sql__check_given(const struct table *t, int column, bool update, bool identity);
void sql__give(struct analysis *a, struct write *w, struct select *rows);
struct error *sql__write_target(struct analysis *a, const RangeVar *rv, struct rte **ret);
struct error *sql__target_column(const struct analysis *a, const struct table *t,
                                 const ResTarget *n, int *ret);
/* The value of the i'th of the columns that INSERT names (NIL: none) on its way to column c. */
struct error *sql__put(struct analysis *a, struct scope *s, const List *columns,
                       const struct table *t, int i, int c, struct expr *e, int location,
                       struct expr **ret);
struct error *sql__no_part_default(struct analysis *a, const ResTarget *target);
struct error *sql__default_value(struct analysis *a, const struct table *t, int column,
                                 struct expr **ret);
struct error *sql__assignments(struct analysis *a, struct scope *s, const struct table *t,
                               const List *list, int *ret_n, struct assignment **ret);
struct error *sql__write_cte(struct analysis *a, struct scope *s, const Node *n,
                             struct write **ret);
struct error *sql__copy_insert(struct analysis *a, const struct table *t, const int *columns,
                               int n);
/* The INSERT of one row behind COPY FROM, as a query of its own. */
struct error *sql__analyse_copy(const struct table *t, const int *columns, int n,
                                const struct sql_context *ctx, const struct analysis *outer,
                                struct query **ret);
struct error *sql__create_table(struct analysis *a, const CreateStmt *n);
bool sql__has_like(const CreateStmt *n);
struct error *sql__create_table_like(struct analysis *a, const CreateStmt *n);
struct error *sql__create_index(struct analysis *a, const IndexStmt *n);
/* What stands after WHERE, to the end of the statement; `location` lies in it. */
char *sql__where_text(const struct analysis *a, int location, size_t *ret_start);
struct error *sql__create_sequence(struct analysis *a, const CreateSeqStmt *n);
struct error *sql__alter_sequence(struct analysis *a, const AlterSeqStmt *n);
struct error *sql__rename_sequence(struct analysis *a, const RenameStmt *n);
struct error *sql__move_sequence(struct analysis *a, const AlterObjectSchemaStmt *n);
struct error *sql__drop_sequence(struct analysis *a, const RangeVar *rv, bool missing_ok);
struct error *sql__drop_with_sequences(struct analysis *a, int named); /* what hangs on them */
struct error *sql__alter_table(struct analysis *a, const AlterTableStmt *n);
bool sql__is_owner_change(const AlterTableStmt *n);
struct error *sql__change_owner(struct analysis *a, const AlterTableStmt *n);
struct error *sql__alter_owner(struct analysis *a, const AlterOwnerStmt *n);
struct error *sql__rename_table(struct analysis *a, const RenameStmt *n);
/* ALTER TABLE, VIEW, MATERIALIZED VIEW, SEQUENCE .. SET SCHEMA */
struct error *sql__move_relation(struct analysis *a, const AlterObjectSchemaStmt *n);
struct error *sql__rename_index(struct analysis *a, const RenameStmt *n);
/* Begins an ALTER INDEX: a table whose list of indexes may be changed. NULL: there is none. */
struct error *sql__change_index(struct analysis *a, const RangeVar *rv, bool missing_ok,
                                struct table **ret);

/* The subquery that stands for a TABLESAMPLE, of a WITH item or of a table (sample.c) */
struct error *sql__sample(struct analysis *a, const RangeTableSample *n, bool cte,
                          const Node **ret);

/* ---- what storage is told (reloption.c) ------------------------------------------------------ */

const char *sql__option_text(struct analysis *a, const DefElem *d);
/* WITH (..) and SET (..): changes *list, which is struct table's `options` or an index's. */
enum option_owner {
    OPTIONS_OF_TABLE,
    OPTIONS_OF_INDEX, /* btree */
    OPTIONS_OF_HASH,
    OPTIONS_OF_GIN,
    OPTIONS_OF_GIST,
    OPTIONS_OF_SPGIST,
    OPTIONS_OF_BRIN,
    OPTIONS_OF_VIEW
};
enum option_owner sql__options_of_index(uint32_t method);
struct error *sql__set_options(struct analysis *a, enum option_owner of, const List *options,
                               char **list);
struct error *sql__reset_options(struct analysis *a, const List *options, char **list);
const char *sql__option_value(const char *list, const char *name); /* up to a comma; or NULL */
struct error *sql__check_tablespace(const char *name);
/* A column that is to be changed. 42703; 0A000 for a system column */
struct error *sql__column_named(const struct table *t, const char *name, int *ret);
struct error *sql__alter_index(struct analysis *a, const AlterTableStmt *n);
struct error *sql__alter_options(struct analysis *a, struct table *t, const AlterTableCmd *c);
struct error *sql__alter_tablespace(struct analysis *a, struct table *t, const AlterTableCmd *c);
struct error *sql__alter_logged(struct analysis *a, struct table *t, const AlterTableCmd *c);
struct error *sql__alter_access(struct analysis *a, struct table *t, const AlterTableCmd *c);
struct error *sql__cluster_on(struct analysis *a, struct table *t, const AlterTableCmd *c);
struct error *sql__replica_identity(struct analysis *a, struct table *t, const AlterTableCmd *c);
struct error *sql__column_storage(struct analysis *a, struct table *t, const AlterTableCmd *c);

/* Tells of a relation that is no index; *ret NULL: there is none, and missing_ok. */
struct error *sql__find_index(struct analysis *a, const RangeVar *rv, bool missing_ok,
                              const struct table **ret);
struct error *sql__rename_table_constraint(struct analysis *a, const RenameStmt *n);
struct error *sql__rename_table_column(struct analysis *a, const RenameStmt *n);
struct error *sql__drop(struct analysis *a, const DropStmt *n);
struct error *sql__truncate(struct analysis *a, const TruncateStmt *n);
struct error *sql__copy(struct analysis *a, const CopyStmt *n, const struct sql_stmt *stmt);
struct error *sql__command(struct analysis *a, const Node *n, const struct sql_stmt *stmt);
struct error *sql__execute(struct analysis *a, const Node *n);

struct error *sql__schema_elements(struct analysis *a, const CreateSchemaStmt *n,
                                   const char *schema, const struct sql_stmt *stmt);
struct error *sql__create_schema(struct analysis *a, const CreateSchemaStmt *n,
                                 const struct sql_stmt *stmt);
struct error *sql__drop_schema(struct analysis *a, const DropStmt *n);
struct error *sql__rename_schema(struct analysis *a, const RenameStmt *n);
struct error *sql__create_database(struct analysis *a, const CreatedbStmt *n);
struct error *sql__drop_database(struct analysis *a, const DropdbStmt *n);
struct error *sql__alter_database(struct analysis *a, const AlterDatabaseStmt *n);
struct error *sql__rename_database(struct analysis *a, const RenameStmt *n);

struct error *sql__comment(struct analysis *a, const CommentStmt *n);
/* Of a SELECT that is to be kept, these bytes of the text: analysed, and what is to be kept of it.
 */
struct error *sql__view_query(struct analysis *a, const SelectStmt *n, size_t start, size_t end,
                              struct object *o, struct select **ret);
/* Does what is kept mean what the statement meant? 0A000 */
struct error *sql__check_view(struct analysis *a, const struct object *o,
                              const struct table *columns);
/* A view that goes, materialized or not. */
void sql__drop_view_with(struct analysis *a, const struct object *o);
struct error *sql__refresh(struct analysis *a, const RefreshMatViewStmt *n);
struct error *sql__not_materialized(const struct table *t); /* 42809 */
struct error *sql__create_view(struct analysis *a, const ViewStmt *n, const struct sql_stmt *stmt);
struct error *sql__drop_view(struct analysis *a, const DropStmt *n);
struct error *sql__rename_view(struct analysis *a, const RenameStmt *n); /* or a column of it */
struct error *sql__alter_view(struct analysis *a, const AlterTableStmt *n);
struct error *sql__move_view(struct analysis *a, const AlterObjectSchemaStmt *n);

/* What hangs on what is dropped; `group`: of which of the named objects. */
struct dependent {
    int group;
    uint64_t id;
    const char *what, *on;         /* "view v", "table t" */
    int part;                      /* of what has this id: a column */
    int depth;                     /* of these: */
    const struct dependent *under; /* what it hangs on, where that hangs itself; or NULL */
};
struct dependents {
    struct list list;
    int group;
    const struct dependent *under; /* of those that are added now */
};

struct error *sql__create_table_as(struct analysis *a, const CreateTableAsStmt *n,
                                   const struct sql_stmt *stmt);
struct error *sql__select_into(struct analysis *a, const SelectStmt *n,
                               const struct sql_stmt *stmt);
/* Makes t->ddl of all the rest of t. Whoever changes a column, key, check or foreign key calls it.
 */
struct error *sql__table_text(struct analysis *a, struct table *t);
/* A key that has an index of its own in the file: of an ALTER TABLE, or watched. */
struct error *sql__index_key(struct analysis *a, struct table *t, struct key *k);
void sql__unique_triggers(struct analysis *a, const struct table *t, const struct key *key,
                          struct buf *out); /* foreign_key.c */
/* Is its primary key the rowid? */
bool sql__has_rowid_column(const struct table *t);
/* A new table in q->create_table, without columns; then its SQLite text. */
struct error *sql__begin_table(struct analysis *a, const RangeVar *rv, const List *options,
                               OnCommitAction said, bool if_not_exists);
struct error *sql__end_table(struct analysis *a);
/* The byte after a dotted name in the parsed text; stars are part of it. */
size_t sql__end_of_name(const struct analysis *a, int location);
struct error *sql__drop_absent(struct analysis *a, const DropStmt *n);
struct error *sql__drop_role(struct analysis *a, const DropRoleStmt *n);
struct error *sql__create_extension(struct analysis *a, const CreateExtensionStmt *n);
struct error *sql__alter_extension(struct analysis *a, const AlterExtensionStmt *n);
struct error *sql__drop_extension(struct analysis *a, const DropStmt *n);
struct error *sql__create_composite(struct analysis *a, const CompositeTypeStmt *n);
struct error *sql__create_enum(struct analysis *a, const CreateEnumStmt *n);
struct error *sql__alter_enum(struct analysis *a, const AlterEnumStmt *n);
struct error *sql__rename_type(struct analysis *a, const RenameStmt *n);
struct error *sql__alter_attributes(struct analysis *a, const AlterTableStmt *n);
struct error *sql__rename_attribute(struct analysis *a, const RenameStmt *n);
struct error *sql__add_attribute(struct analysis *a, struct table *t, const ColumnDef *n);
/* Does a default, check or index of the table say its name? */
bool sql__names_type(struct analysis *a, const struct table *t, const struct object *type);
struct error *sql__move_type(struct analysis *a, const AlterObjectSchemaStmt *n);
struct error *sql__drop_type(struct analysis *a, const DropStmt *n);
struct error *sql__find_type(const struct analysis *a, const List *names,
                             const struct object **ret); /* 42704 */
struct error *sql__type_taken(const struct analysis *a, const char *schema,
                              const char *name); /* 42710 */
const struct object *sql__lookup_type(const struct analysis *a, const List *names);
/* Of what the named type is the array: mood, of _mood. */
const struct object *sql__lookup_item_type(const struct analysis *a, const List *names);
const char *sql__describe_type(const struct analysis *a, const struct object *o); /* "type s.t" */

/* ---- domain.c
 * -------------------------------------------------------------------------------------------------
 */

struct error *sql__create_domain(struct analysis *a, const CreateDomainStmt *n);
struct error *sql__alter_domain(struct analysis *a, const AlterDomainStmt *n);
struct error *sql__rename_domain_constraint(struct analysis *a, const RenameStmt *n);
/* A value of the type beneath becomes one of the domain (an oid; 0: it stays as it is). */
struct error *sql__to_domain(struct analysis *a, struct expr *e, uint32_t domain,
                             struct expr **ret);
/* A parameter that was announced as one of the domain (0: of none), as the domain's input has it.
 */
struct error *sql__param_of_domain(struct analysis *a, struct expr *e, uint32_t domain,
                                   struct expr **ret);
/* Before `e` is made one of the domain: a parameter without a type is told to the client as it. */
void sql__param_domain(struct analysis *a, const struct expr *e, uint32_t domain);
uint32_t sql__domain_beneath(const struct analysis *a, uint32_t domain); /* 0: no domain */
/* The domain of a column whose default is the column's; NULL: there is none. */
const struct column *sql__domain_default(const struct analysis *a, const struct column *c);
uint32_t sql__common_domain(struct expr *const *exprs, int n); /* 0: they are not all of it */

/* ---- views: view.c
 * -------------------------------------------------------------------------------------------------
 */

struct error *sql__view_rte(struct analysis *a, struct scope *s, const RangeVar *rv,
                            const struct object *view, struct rte **ret);
/* What the SELECT of a new view mentions; nothing when there is none. */
void sql__note_source(struct analysis *a, const RangeVar *rv, uint64_t id, const char *schema,
                      const char *name, const struct rte *r);
void sql__note_type(struct analysis *a, const TypeName *n, const struct object *o);
void sql__note_column(struct analysis *a, int location, const char *table, const char *column);
void sql__note_star(struct analysis *a, int location, const struct target *const *targets, int n);
void sql__note_natural(struct analysis *a, int location, const struct list *names);
void sql__note_unfixed(struct analysis *a, const char *why); /* "a NATURAL JOIN" */
/* Views that read a table or view, and views that read them, are added. */
void sql__views_on(struct analysis *a, uint64_t id, const char *what, struct list *ret_views,
                   struct dependents *deps);
enum { VIEW_BY_KEY = -2 }; /* instead of a column: those that need the table's primary key */
/* Those that read the column (-1: any), and views that read them. */
void sql__views_of_column(struct analysis *a, uint64_t id, int column, const char *what,
                          struct list *ret_views, struct dependents *deps);
/* What views read gets another name: */
struct new_name {
    uint64_t id; /* it, or 0: all in this schema: */
    const char *of_schema;
    const char *schema, *name; /* as it will be called; name NULL: as it is now */
    bool columns;              /* columns get others: the view keeps those that it knows */
    int column;                /* only views that read this column of it; -1: all */
    const char *what;          /* "renaming a table" */
};
/* An expression over the columns of t with the new name of a type; NULL: it does not name it. */
char *sql__rename_type_in_text(struct analysis *a, const struct table *t, enum clause clause,
                               const char *sql, const struct new_name *n);
/* Views that read it follow: changes of objects. 0A000 where the text does not let them. */
struct error *sql__rename_in_views(struct analysis *a, const struct new_name *n);
/* One of them, in *next, or a copy of o when that is NULL and it reads what is renamed. */
struct error *sql__rename_in_view(struct analysis *a, const struct object *o,
                                  const struct new_name *n, struct object **next);
const char *sql__describe_view(const struct analysis *a, const struct object *o); /* "view s.v" */
RangeVar sql__range_var(const List *names);
/* While the text of a view is analysed, in place of the statement's own. */
struct view_reading {
    struct sql_script script;
    const struct sql_script *own_script;
    const struct sql_path *path;
    struct view_draft *draft;
    const struct object *reading;
    int depth;
};
struct error *sql__begin_view(struct analysis *a, const struct object *view,
                              struct view_reading *r);
void sql__note_sequence(struct analysis *a, const struct sequence *sequence);
/* .. and those on sequences that go with t, or with its column. */
void sql__views_on_owned(struct analysis *a, const struct table *t, int column,
                         struct list *ret_views, struct dependents *deps);
/* 0A000 while a view reads it. */
struct error *sql__sequence_keeps_name(struct analysis *a, const struct sequence *s,
                                       const char *what);
const char *sql__describe_sequence(const struct analysis *a, const struct sequence *s);
/* Columns that what it reads got later are none to a view. */
void sql__hide_later(const struct analysis *a, uint64_t id, struct rte *r);
/* Gives the error back, without a place. Only after a beginning without one. */
struct error *sql__end_view(struct analysis *a, struct view_reading *r, struct error *e);

/* ---- view_write.c
 * -------------------------------------------------------------------------------------------------
 */

struct view_condition {
    const struct object *view;
    struct expr *where; /* NULL: none */
};
/* A view that is written to, as names over the columns of its table. */
struct write_view {
    const struct object *named;
    struct rte *base;
    struct name_item *item;
    int n_columns;
    struct name_column *columns;
    struct list conditions; /* struct view_condition, of the views beneath first */
};
struct error *sql__view_target(struct analysis *a, const RangeVar *rv, const struct object *view,
                               struct write_view **ret);
int sql__view_column(const struct write_view *v, const char *name); /* -1: none */
int sql__base_column(const struct write_view *v, int column);       /* -1: it is none */
struct error *sql__not_a_view_column(const struct analysis *a, const struct write_view *v,
                                     int column); /* 0A000 */
void sql__add_view_conditions(struct analysis *a, const struct write_view *v, struct expr **where);
struct name_item *sql__excluded_item(struct analysis *a, const struct write_view *v,
                                     struct rte *excluded);
void sql__refuse_hidden(struct analysis *a, const struct write_view *v, struct expr **where);
bool sql__has_check_option(const struct write_view *v);
struct error *sql__check_option(struct analysis *a, const struct write_view *v,
                                struct expr **values, int guarded, bool insert, struct expr **ret);
/* PostgreSQL's detail; NULL: it is updatable. */
const char *sql__why_not_updatable(struct analysis *a, const struct object *view);

/* ---- sequence.c ---------------------------------------------------------------------------------
 */

bool sql__names_sequence(const char *function); /* nextval, .. : its first argument does */
const Node *sql__without_regclass(const Node *n);
/* A constant that names a sequence becomes its object id. */
struct error *sql__sequence_argument(struct analysis *a, const char *function, struct expr **arg);
struct error *sql__next_value(struct analysis *a, uint64_t sequence, struct expr **ret);
/* Of an id; also of one that the statement makes (CATALOG_NEW_SEQUENCE). NULL: there is none. */
const struct sequence *sql__sequence_of(const struct analysis *a, uint64_t id);
uint64_t sql__is_next_value(const struct analysis *a, const struct expr *e);
uint32_t sql__serial_type(const TypeName *n); /* 0: it is none */
/* ALTER TABLE .. ALTER COLUMN .. SET START, RESTART, ..: into q->alter_table.altered. */
struct error *sql__alter_identity(struct analysis *a, const struct table *t, int column,
                                  const List *options);
/* The sequence behind a serial or identity column that is being made, added to `sequences`. */
struct error *sql__column_sequence(struct analysis *a, struct list *sequences,
                                   const struct table *t, const struct column *c,
                                   const List *options, struct sequence **ret);
/* What SELECT .. FROM a sequence reads: a system table of one row; NULL: there is no such sequence.
 */
const struct table *sql__sequence_table(struct analysis *a, const RangeVar *rv);

/* ---- what they share: schema.c
 * -------------------------------------------------------------------------------------
 */

void sql__change_objects(struct analysis *a, const char *tag); /* makes it a QUERY_OBJECTS */
void sql__change_object(struct analysis *a, const struct object *old, const struct object *next);
void sql__drop_with(struct analysis *a, const struct table *t);
void sql__drop_sequence_with(struct analysis *a, const struct sequence *s);
struct object *sql__new_object(struct analysis *a, enum object_kind kind, const char *schema,
                               const char *name);
void sql__notice(struct analysis *a, const char *sqlstate, const char *detail, const char *format,
                 ...) PRINTF_LIKE(4, 5);
/* "t", or "s.t" when s is not in the path; quoted where needed */
const char *sql__shown_name(const struct analysis *a, const char *schema, const char *name);
const char *sql__describe_table(const struct analysis *a, const struct table *t); /* "table s.t" */
struct dependent *sql__last_dependent(struct dependents *l);
void sql__depends(struct analysis *a, struct dependents *l, uint64_t id, const char *what,
                  const char *on);
/* 2BP01. `what`: "schema s"; NULL: several were named */
struct error *sql__has_dependents(struct analysis *a, const char *what, struct dependents *l);
void sql__tell_cascade(struct analysis *a, struct dependents *l); /* the notice */
struct error *sql__check_owner(const struct analysis *a, const RoleSpec *role);

/* ---- columns: alter_column.c
 * ------------------------------------------------------------------------------------------ */

/* With what hangs on it, whose views go into `views`; t is a copy, whose text is to be made. */
struct error *sql__drop_column_with(struct analysis *a, struct table *t, int at, struct list *views,
                                    struct dependents *deps);
struct error *sql__drop_column(struct analysis *a, struct table *t, const AlterTableCmd *c);
struct error *sql__alter_type(struct analysis *a, struct table *t, const AlterTableCmd *c);
struct error *sql__set_not_null(struct analysis *a, struct table *t, const AlterTableCmd *c);
struct error *sql__drop_not_null(struct analysis *a, struct table *t, const AlterTableCmd *c);
struct error *sql__rename_column(struct analysis *a, struct table *t, const char *from,
                                 const char *to);
struct error *sql__add_identity_later(struct analysis *a, struct table *t, const AlterTableCmd *c);
struct error *sql__set_identity(struct analysis *a, struct table *t, const AlterTableCmd *c);
struct error *sql__drop_identity(struct analysis *a, struct table *t, const AlterTableCmd *c);
struct error *sql__drop_expression(struct analysis *a, struct table *t, const AlterTableCmd *c);
/* Are its values computed, so that nothing can be asked about them before? */
bool sql__is_filled(const struct analysis *a, int column);
/* Its sequence goes into q->alter_table. */
struct error *sql__add_identity(struct analysis *a, struct table *t, int column,
                                const Constraint *n);
/* The rows get this value in a column, computed once: PostgreSQL text over the row as it was. */
void sql__fill_column(struct analysis *a, int column, const char *sql);
/* When all is known: the texts of the table, and what the file has to be told. */
struct error *sql__finish_columns(struct analysis *a, struct table *next);
/* Is the name free, and a column's? 42701. `but`: the column that is to have it, or -1. */
struct error *sql__check_new_column(const struct analysis *a, const struct table *t,
                                    const char *name, int but);
struct error *sql__check_result_type(const struct analysis *a, const char *name, uint32_t oid);
/* COLLATE of a value of the type */
struct error *sql__check_collation(const struct analysis *a, const CollateClause *n,
                                   const struct type *type);
struct error *sql__check_column_type(const struct analysis *a, const ColumnDef *n,
                                     const struct type *type);
/* Where an expression of the catalog's names columns: places in "SELECT " and the text. */
struct error *sql__column_places(struct analysis *a, const struct table *t, const char *sql,
                                 bool (*visit)(void *ctx, const struct expr *e), void *ctx);

/* Of an ALTER TABLE: views that follow, or go. */
struct error *sql__views_follow(struct analysis *a, const struct new_name *n);
void sql__views_go(struct analysis *a, const struct list *views);
/* The same of those that hang on a part of t, where that is possible. `form`: of ALTER TABLE */
struct error *sql__views_go_with(struct analysis *a, const struct table *t,
                                 const struct list *views, const char *form);

/* ---- constraints: alter_constraint.c
 * ------------------------------------------------------------------------------------------ */

/* One more of q->alter_table.checks; and one of q->objects.checks, with its table. */
void sql__alter_check(struct analysis *a, const struct alter_check *check);
void sql__ask_rows(struct analysis *a, const struct alter_check *check);
/* Keys, checks and foreign keys of `next` beyond these numbers are new. */
struct error *sql__new_constraints(struct analysis *a, struct table *next, int n_keys, int n_checks,
                                   int n_foreign_keys);
struct error *sql__drop_constraint(struct analysis *a, struct table *t, const AlterTableCmd *c);
struct error *sql__validate_constraint(struct analysis *a, struct table *t, const AlterTableCmd *c);
struct error *sql__alter_constraint(struct analysis *a, struct table *t, const AlterTableCmd *c);
struct error *sql__rename_constraint(struct analysis *a, struct table *t, const char *from,
                                     const char *to);
struct error *sql__set_constraints(struct analysis *a, const ConstraintsSetStmt *n);
/* ADD CONSTRAINT .. USING INDEX: what the key is. */
struct error *sql__key_of_index(struct analysis *a, struct table *t, const Constraint *n,
                                struct key *k);
/* The key or index of t that a foreign key on it needs; NULL: there is none. */
const char *sql__key_of_reference(const struct table *t, const struct foreign_key *fk);
/* Foreign keys that reference t, of tables that are not `dropped`, are told in deps; with `cascade`
 * their tables lose them (q->also). */
struct error *sql__drop_references(struct analysis *a, const struct table *t, bool cascade,
                                   bool (*dropped)(const struct analysis *a, const struct table *t),
                                   struct dependents *deps);
/* What becomes of another table in this statement: a copy that may be changed. */
struct table *sql__also_changed(struct analysis *a, const struct table *t);
/* Tables lose foreign keys: struct sql_suspect with child and fk. */
struct error *sql__lose_references(struct analysis *a, const struct list *references);
void sql__ask_not_null(struct analysis *a, const struct table *t, int column);
/* A table as this statement makes it, in q->alter_table or q->also; or as the catalog has it. */
const struct table *sql__table_now(const struct analysis *a, uint64_t id);

/* ---- what they share: create_table.c, index.c
 * ---------------------------------------------------------------------- */

/* table_column_column_suffix, cut to 63 bytes from the longer part; columns may be NULL */
char *sql__make_name(struct analysis *a, const char *table, const char *columns,
                     const char *suffix);
char *sql__joined_columns(struct analysis *a, const struct table *t, const int *columns, int n);
/* A table in the making: its keys, checks and foreign keys in lists, to which constraints are added
 * by the rules that PostgreSQL has for their names. */
struct table_draft {
    struct table *t;
    struct list keys, checks, foreign_keys; /* of struct key, .. */
    struct list sequences;                  /* that go with columns: table->owned */
    int n_old_keys, n_old_checks;           /* of a table that is altered */
    struct rte *rte;                        /* the table itself, for CHECK */
};
/* Of a table with all its columns and no other constraints to be dropped; and back into it. */
void sql__draft_open(struct analysis *a, struct table *t, struct table_draft *d);
void sql__draft_close(struct analysis *a, struct table_draft *d);
/* Which constraints a pass over the elements looks at: foreign keys need the keys, names of the
 * keys go first. */
enum pass { PASS_COLUMN, PASS_KEYS, PASS_FOREIGN };
struct error *sql__constraint(struct analysis *a, struct table_draft *d, const Constraint *n,
                              int column, enum pass pass);
/* A column of ALTER TABLE .. ADD COLUMN: name, type, default and NOT NULL into t->columns, which
 * has room for it, and what older rows have into ->added; its other constraints are not looked at.
 */
struct error *sql__add_column(struct analysis *a, struct table *t, const ColumnDef *n);
/* DEFAULT, from its keyword on; CHECK (..), what stands in its parentheses */
struct error *sql__take_default(struct analysis *a, struct table *t, int column, const Node *n,
                                int keyword);
char *sql__check_text(const struct analysis *a, int location);
/* ALTER COLUMN .. SET DEFAULT */
struct error *sql__set_default(struct analysis *a, struct table *t, int column, const Node *n);
/* 42939: names that are the system's own. `what`: "table", "index", .. */
struct error *sql__check_identifier(const struct analysis *a, const char *what, const char *name,
                                    int location);
/* 42804, or 0A000: columns that cannot be compared in the file */
bool sql__foreign_fits(const struct foreign_key *fk, const struct column *from,
                       const struct column *to);
/* .. but that PostgreSQL compares: the i-th column becomes one of the parent's type */
bool sql__foreign_castable(struct analysis *a, const struct table *t, const struct foreign_key *fk,
                           const struct table *to, int i);
/* MATCH FULL of several columns: NULL in all of them or in none */
bool sql__mixes_no_nulls(const struct foreign_key *fk);
/* Triggers see to the key, not SQLite; and their text, appended (foreign_key.c). */
bool sql__is_watched(const struct table *t, const struct foreign_key *fk, const struct table *to);
struct error *sql__key_triggers(struct analysis *a, const struct table *t,
                                const struct foreign_key *fk, const struct table *to,
                                struct buf *out);
struct error *sql__foreign_mismatch(struct analysis *a, const struct foreign_key *fk,
                                    const struct column *from, const struct column *to);
/* The columns of PRIMARY KEY (..) or UNIQUE (..) */
struct error *sql__key_columns(struct analysis *a, const struct table *t, const Constraint *n,
                               int *ret_n, int **ret);
struct error *sql__check_constraint_form(const struct analysis *a, const Constraint *n); /* 0A000 */
bool sql__key_exists(const struct table *t, const char *name);
/* WHERE of a partial index on t, as written (n) or as the catalog has it. */
struct error *sql__index_predicate(struct analysis *a, const struct table *t, const Node *n,
                                   const char *stored, struct expr **ret);
/* The same, put into x->ddl and x->where_sql; n NULL: x->where_sql has it. */
struct error *sql__index_where(struct analysis *a, const struct table *t, const Node *n,
                               struct index *x);
char *sql__free_index_name(struct analysis *a, const struct table *t, const char *columns,
                           const char *suffix);
/* Sets x->ddl and x->file_name. */
struct error *sql__index_text(struct analysis *a, const struct table *t, struct index *x);
/* The same, under the name in the file that it has. */
struct error *sql__index_ddl(struct analysis *a, const struct table *t, struct index *x);
/* A key of an index on t, as written (n) or as the catalog has it. */
struct error *sql__index_expression(struct analysis *a, const struct table *t, const Node *n,
                                    const char *stored, struct expr **ret);
/* a_lower: of all its columns, as PostgreSQL calls them */
const char *sql__index_columns(struct analysis *a, const struct table *t, const struct index *x);
bool sql__index_has_literal(const struct table *t);
/* Are they the same over their tables? Those of the first become the second's. */
bool sql__same_expr(struct expr *own, struct expr *given);
/* Sets r->indexed, by its filters. */
struct error *sql__mark_indexed(struct analysis *a, struct rte *r);
bool sql__is_immutable(const struct expr *e);   /* immutable.c */
bool sql__is_stable_step(const struct expr *e); /* itself, whatever its arguments are */
char *sql__file_name(struct analysis *a, const char *schema, const char *name);
