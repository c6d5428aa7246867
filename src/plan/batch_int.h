/* What the files that make batch plans share: batch.c, order.c. */
#pragma once

#include "plan/plan_int.h"

enum { MAX_SCANS = 30 };

struct element {
    struct rte *rte;
    bool left, placed;
    struct expr *on; /* left */
    int n_computed;  /* keys that its scan computes */
    struct expr **computed;
    int scan, first_computed; /* the place of the first of them there */
};

struct shape {
    struct plan *p;
    const struct select *s;
    int n;
    struct element element[MAX_SCANS];
    int n_pool;
    struct expr **pool;
    struct plan_batch *b;
    bool placed_conjunct[256]; /* of the pool: used up as join keys or pushed down */
};

/* outer = inner; nulls: IS NOT DISTINCT FROM */
struct join_key {
    const struct expr *outer, *inner;
    bool nulls;
};

struct key_list {
    int n;
    struct join_key keys[256];
};

/* e is an equality of something of `inner` and something of one element that is placed. */
bool plan__connects(const struct shape *h, const struct expr *e, const struct rte *inner,
                    struct join_key *ret);

/* order.c: which element streams; which one is joined next. -1: none can. */
int plan__first_element(const struct shape *h, const struct plan_context *pc);
int plan__next_element(const struct shape *h, const struct plan_context *pc);
/* Are all entries that e mentions placed, counting `also` as placed? */
bool plan__all_placed(const struct shape *h, const struct expr *e, const struct rte *also);
