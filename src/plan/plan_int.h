/* What the files of plan/ share. */
#pragma once

#include "plan/plan.h"

/* Copies what a buffer holds into the plan's arena. */
const char *plan__text(struct plan *p, const struct buf *b, size_t *ret_len);

/* A scan's SQLite text for the given columns (0-based) and filters. */
void plan__scan(struct plan *p, const struct rte *rte, int n_columns, int *columns,
                struct expr *const *filters, int n_filters, struct plan_scan *ret);

/* Plans that pull every table reference of q->select (or of the whole SELECT `s`) and run its text
 * over what was pulled. */
struct error *plan__gather(struct plan *p, const struct select *s, struct plan_gather **ret);

/* A batch plan; NULL: the shape is not covered. */
struct plan_batch *plan__batch(struct plan *p, const struct plan_context *pc,
                               const struct select *s);

/* Can exec's evaluator compute it? No subqueries, window functions, volatile functions. */
bool plan__evaluable(const struct expr *e);
