/* What the files of the batch executor share: columns, hash tables, expressions. */
#pragma once

#include "exec/exec_int.h"

enum { BATCH_ROWS = 1024 };
#define NO_ROW UINT32_MAX /* in place of a row's number: the NULLs of a left join */

/* ---- columns (rows.c of the batch executor: column.c) --------------------------------------- */

/* One column. Text and blobs: bits is a pointer into the text of its struct rows. */
struct vec {
    uint8_t *kind; /* enum value_kind */
    uint64_t *bits;
    uint32_t *len; /* text and blobs only; allocated with the first of them */
};

struct text_chunk;

/* Rows by columns. Owned by one thread. */
struct rows {
    int n_columns;
    uint32_t n, cap;
    struct vec *col;
    struct text_chunk *text;
    size_t bytes; /* of memory, about */
};

void exec__rows_init(struct rows *r, int n_columns);
void exec__rows_clear(struct rows *r); /* keeps the arrays */
void exec__rows_done(struct rows *r);
/* Appends a row; text is copied. 54000 when there are too many. */
struct error *exec__rows_add(struct rows *r, const struct value *values);

static inline struct value vec_get(const struct vec *v, uint32_t i)
{
    struct value r = {.kind = (enum value_kind)v->kind[i]};
    switch (r.kind) {
    case VALUE_NULL:
        break;
    case VALUE_INT:
        r.i = (int64_t)v->bits[i];
        break;
    case VALUE_REAL:
        memcpy(&r.r, &v->bits[i], sizeof(r.r));
        break;
    case VALUE_TEXT:
    case VALUE_BLOB:
        r.s.p = (const char *)(uintptr_t)v->bits[i];
        r.s.n = v->len[i];
        break;
    }
    return r;
}

static inline uint64_t hash_int(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ (x >> 32);
}

/* ---- feeding (feed.c) ----------------------------------------------------------------------- */

typedef struct error *(*exec__batch_fn)(void *ctx, const struct rows *rows);
/* The rows of a scan, one by one: of a table, or of a plan of its own. */
struct error *exec__batch_scan(struct run *r, const struct plan_scan *scan, exec__row_fn row,
                               void *ctx);
/* Runs a scan and gives its rows in batches, on the calling thread; with `threaded` the scan runs
 * on one of its own. */
struct error *exec__feed(struct run *r, const struct plan_scan *scan, bool threaded,
                         exec__batch_fn batch, void *ctx);

/* ---- expressions (eval.c) ------------------------------------------------------------------- */

/* A subquery that is the same for all rows, run before them. Its error counts where it is read. */
struct once {
    struct value value;
    struct error *error;
};

/* Where an expression finds its columns: in a tuple (a row number for each scan), or in a group. */
struct env {
    struct run *run;
    struct arena arena;          /* of values made on the way; reset by whoever is done with them */
    const struct rows *sides;    /* by scan */
    uint32_t (*idx)[BATCH_ROWS]; /* by scan: row numbers of the present tuples */
    uint32_t t;                  /* which tuple */
    const struct rows *keys;     /* groups */
    uint32_t group;
    const struct value *aggs; /* results of the present group */
    const struct once *once;  /* by plan_batch.subs */
};

enum node_kind { NODE_VALUE, NODE_COLUMN, NODE_KEY, NODE_AGG, NODE_ONCE, NODE_EXPR };

struct node {
    enum node_kind kind;
    struct value value;      /* VALUE */
    int scan, column;        /* COLUMN; column: of KEY, AGG, ONCE too */
    const struct expr *expr; /* EXPR */
    int n_args;
    struct node **args;
    const struct func *
        *outputs; /* EXPR that is a call: what gives an argument its text form, or NULL */
    const struct type *type; /* GREATEST, LEAST */
};

/* `grouped`: columns and aggregates are looked up in the plan's groups. */
struct node *exec__compile(const struct plan_batch *b, const struct run *r, struct arena *a,
                           const struct expr *e, bool grouped);
struct error *exec__eval(struct env *v, const struct node *n, struct value *ret);
/* *ret: it is true (not false, not NULL) */
struct error *exec__eval_true(struct env *v, const struct node *n, bool *ret);

/* ---- hash tables ---------------------------------------------------------------------------- */

/* The build side of a join: rows of one scan, chained by their key. */
struct hash_join {
    const struct plan_join *plan;
    struct rows rows;
    const struct type **types; /* of the keys */
    bool ints;                 /* one key, of ints */
    bool dense;                /* ints, in a small range: heads is indexed by key - low */
    int64_t low;
    uint64_t range;  /* of dense: high - low + 1 */
    uint64_t mask;   /* of not dense */
    uint32_t *heads; /* first row of a chain, or NO_ROW */
    uint32_t *next;
    uint32_t *hashes; /* several keys, or not ints */
    struct node **on;
    size_t bytes;
};

struct error *exec__join_build(struct hash_join *j);
void exec__join_done(struct hash_join *j);
/* First candidates for n tuples, and the hashes of their keys (unless `ints`). */
void exec__join_heads(const struct hash_join *j, const struct env *v, int n, uint32_t *heads,
                      uint32_t *hashes);
/* Does a candidate's key equal tuple t's? */
bool exec__join_match(const struct hash_join *j, const struct env *v, uint32_t t, uint32_t hash,
                      uint32_t row);

/* Groups: keys, and the aggregates' states. */
struct groups {
    const struct plan_batch *plan;
    struct node **keys; /* over tuples */
    const struct type **types;
    int n_keys, n_aggs;
    struct node ***args; /* of each aggregate */
    struct node **filters;
    struct rows rows; /* the keys */
    struct agg_state *states;
    uint32_t cap_states;
    uint32_t *slots; /* group + 1; 0: free */
    uint64_t mask;
    uint32_t *hashes; /* of each group */
    bool ints;        /* one key, an int column */
    int by_scan; /* all keys are columns of this scan, which is built: its rows lead to their group.
                    -1: not so */
    uint32_t *of_row; /* by_scan: group of each row, NO_ROW: not known yet; one more for NO_ROW */
    size_t bytes;
};

struct error *exec__groups_init(struct groups *g, const struct plan_batch *plan,
                                const struct run *r, struct arena *a, const struct rows *sides);
/* Adds n tuples. */
struct error *exec__groups_add(struct groups *g, struct env *v, int n);
/* Without keys there is a group even of no rows. */
struct error *exec__groups_add_empty(struct groups *g);
struct error *exec__group_final(struct groups *g, uint32_t group, struct arena *a,
                                struct value *ret);
void exec__groups_done(struct groups *g);
