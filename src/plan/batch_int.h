/* What the files that make batch plans share: batch.c, order.c, subquery.c. */
#pragma once

#include "plan/plan_int.h"

enum { MAX_SCANS = 30, MAX_CONJUNCTS = 256 };

/* outer = inner; nulls: IS NOT DISTINCT FROM */
struct join_key {
    const struct expr *outer, *inner;
    bool nulls;
};

struct key_list {
    int n;
    struct join_key keys[MAX_CONJUNCTS];
};

/* What the chain joins: a table, a subquery of FROM, or one of a condition. */
struct element {
    struct rte *rte;        /* NULL: of a condition */
    struct plan_batch *sub; /* of a subquery */
    enum plan_join_kind kind;
    bool placed;
    struct expr *on;       /* LEFT */
    struct key_list *keys; /* of a condition: outer ones are over other elements, inner ones are
                              targets of `sub`; then further conditions */
    int n_conditions;
    struct expr **conditions;
    const struct expr *value; /* the subquery whose value is its last target; or NULL */
    int n_computed;           /* keys that its scan computes */
    struct expr **computed;
    int scan, first_computed; /* the place of the first of them there */
};

struct shape {
    struct plan *p;
    const struct plan_context *pc;
    const struct select *s;
    int n;
    struct element element[MAX_SCANS];
    int n_pool;
    struct expr **pool;
    struct plan_batch *b;
    bool placed_conjunct[MAX_CONJUNCTS]; /* of the pool: used up as join keys or pushed down */
};

/* The element whose columns these are; -1: none. */
int plan__element_of(const struct shape *h, const struct rte *r);
/* The only element whose columns e reads, if its scan can compute it; below 0: none. */
int plan__owner_of(const struct shape *h, const struct expr *e);
/* e is an equality of something of `inner` and something of one element that is placed. */
bool plan__connects(const struct shape *h, const struct expr *e, const struct rte *inner,
                    struct join_key *ret);

/* order.c: which element streams; which one is joined next (*ret_factor: by what that multiplies
 * the rows). -1: none can. */
int plan__first_element(const struct shape *h, double *ret_rows);
int plan__next_element(const struct shape *h, double *ret_factor);

/* subquery.c: elements of the subqueries in the pool and in the rest of the select. False: one of
 * them is not covered. */
bool plan__subqueries(struct shape *h);
