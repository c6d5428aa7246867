/* What emit_expr.c and emit.c share. */
#pragma once

#include "sql/sql.h"

/* One emission. Everything is printed into `out`; `how` may be NULL. */
struct group_source;

struct emitter {
    const struct sql_emit *how;
    struct buf *out;
    const struct rte *bare; /* its columns are printed without a qualifier */
    bool no_returning;
    const struct group_source *groups; /* whose rows were made below */
    const struct grouping_set *set;    /* whose groups are being printed */
    bool direct;         /* inside of direct arguments: the keys that `set` leaves out are NULL */
    const char *with;    /* how->with, until it is printed */
    bool all_bare;       /* a scan, a CHECK: there is one table only */
    bool stored;         /* a CHECK, an index, a generated column: SQLite takes no subquery there */
    bool condition;      /* it only matters whether the expression is true: see logic() */
    int repeated;        /* how often what is being printed is printed in all: 2 ^ this */
    int nesting;         /* of the expression that is being printed; 0: none */
    struct steps *steps; /* its parts that stand in a WITH; NULL: it is shallow */
    int n_probes;        /* numbers the names made up on the way */
};

/* A select with grouping sets reads the union of what each set groups: keys g1, g2, .., aggregates
 * a1, .., GROUPING() p1, .. */
struct group_source {
    const struct select *select;
    int id; /* "minisql_sets_<id>" is its name */
    const struct group_source *outer;

    /* Not of sets, but "minisql_rows_<id>": columns c<first>, .. */
    struct expr *const *parts;
    int n_parts, first;
};

struct grouping_set {
    const struct select *select;
    uint64_t keys;
};

/* Which names the result columns get. */
enum column_names { NAMES_NONE, NAMES_POSITION /* c1, c2, .. */ };

void sql__emit_expr(struct emitter *em, const struct expr *e);
/* Where SQLite jumps by it: WHERE, ON, HAVING, FILTER, WHEN. */
void sql__emit_condition(struct emitter *em, const struct expr *e);
void sql__emit_real(double r, struct buf *out); /* to the last bit */
void sql__emit_index_key(const struct expr *e, struct buf *out);
/* A key of a unique index for which NULLs are equal: two, as SQLite knows, the text of the one
 * given.
 */
void sql__emit_equal_nulls(const char *key, uint32_t type, struct buf *out);
void sql__emit_expr_list(struct emitter *em, struct expr *const *list, int n, const char *between);
void sql__emit_conjunction(struct emitter *em, struct expr *const *list, int n, const char *op);
/* With the type's collation, for places where SQLite compares values itself. */
void sql__emit_compared(struct emitter *em, const struct expr *e);
void sql__emit_order(struct emitter *em, const struct order_item *items, int n); /* a window's */
void sql__emit_select(struct emitter *em, const struct select *s, enum column_names names);
/* The select as exactly one row: NULLs when it has none, 21000 when it has more. */
void sql__emit_single(struct emitter *em, const struct select *s, enum column_names names);
/* Its place in the list, by what it says; -1: it is not there. */
int sql__find_expr(struct expr *const *list, int n, const struct expr *e);
/* Of one table, the row of a key? */
bool sql__reads_one_row(const struct select *s);
/* EXISTS of it as a set of keys, where that is cheaper: emit_exists.c */
bool sql__emit_semijoin(struct emitter *em, const struct select *s);
const char *sql__collation(uint32_t type); /* " COLLATE x", or "" */
