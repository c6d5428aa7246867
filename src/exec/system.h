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

struct exec__maker {
    struct run *run;
    const struct catalog_view *view;
    const struct plan_scan *scan;
    const struct table *table;
    struct arena arena;
    struct value *values; /* of the present row, all columns */
    struct value *picked; /* those of the scan */
    int next;             /* where the next put looks first */
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
    exec__making_types[], exec__making_session[], exec__making_information[];

/* ---- putting -------------------------------------------------------------------------------- */

void exec__put(struct exec__maker *m, const char *column, struct value v);
void exec__put_text(struct exec__maker *m, const char *column, const char *s); /* NULL is fine */
void exec__put_int(struct exec__maker *m, const char *column, int64_t i);
void exec__put_char(struct exec__maker *m, const char *column, char c); /* 0: '' */
void exec__put_real(struct exec__maker *m, const char *column, double r);
/* an array of integers, or an int2vector or oidvector, as the column has it */
void exec__put_ints(struct exec__maker *m, const char *column, const int64_t *v, int n);
/* The row as it was put; then all is empty again. */
struct error *exec__give(struct exec__maker *m);
bool exec__wants(const struct exec__maker *m, const char *column);

/* ---- leaving out ---------------------------------------------------------------------------- */

/* False: the statement has `column = value` for another value, so that the row is not needed. */
bool exec__needs_int(const struct exec__maker *m, const char *column, int64_t i);
bool exec__needs_text(const struct exec__maker *m, const char *column, const char *s);

/* ---- what there is -------------------------------------------------------------------------- */

/* Fixed object ids, and the only role there is: whoever is connected owns everything. */
enum {
    EXEC__CATALOG = 11, /* see catalog_schema() */
    EXEC__OWNER = 10,
    EXEC__DATABASE = 5,
    EXEC__HEAP = 2,
    EXEC__BTREE = 403,
    EXEC__COLLATION = 100,
};

/* The schemas that users see and make. */
struct error *exec__each_schema(struct exec__maker *m,
                                struct error *(*visit)(struct exec__maker *m, const char *name));
int exec__n_system_tables(void);
const struct table *exec__system_table(int i, const struct exec__relation **ret);
/* the object id of a table, a system table, too */
uint32_t exec__table_oid(const struct table *t);
uint32_t exec__namespace_oid(const struct catalog_view *v, const char *schema);

/* An index as PostgreSQL sees it: also the one beneath a key. */
struct exec__index {
    uint32_t oid, constraint; /* constraint 0: a plain index */
    const char *name;
    bool unique, primary;
    int n_columns;
    const int *columns;
    const bool *descending; /* may be NULL */
};
int exec__n_indexes(const struct table *t);
/* false: not an index of its own */
bool exec__index(const struct table *t, int i, struct exec__index *ret);

bool exec__by_value(const struct type *t);
char exec__align(const struct type *t);
char exec__storage(const struct type *t);
uint32_t exec__collation(const struct type *t);
uint32_t exec__opclass(uint32_t type); /* btree's default; 0: none */
uint32_t exec__func_oid(const struct func *f);
