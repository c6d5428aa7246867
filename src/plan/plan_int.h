/* What the files of plan/ share. */
#pragma once

#include "plan/plan.h"

/* Copies what a buffer holds into the plan's arena. */
const char *plan__text(struct plan *p, const struct buf *b, size_t *ret_len);

/* A scan's SQLite text for the given columns (see struct plan_scan) and filters. */
void plan__scan(struct plan *p, const struct rte *rte, int n_columns, int *columns,
                struct expr **computed, struct expr *const *filters, int n_filters,
                struct plan_scan *ret);

/* What such a scan computes to give row ids, in the place COLUMN_ROWID. */
struct expr **plan__row_number(struct plan *p, const struct rte *r);

/* Can a region compute it, without the rest of the statement? */
bool plan__runs_alone(const struct expr *e);

/* The columns of a table that the statement uses, and the filters that can run there. */
void plan__scan_used(struct plan *p, const struct rte *rte, struct plan_scan *ret);

/* stage.c: must the write run in several stages, wherever its tables are? Makes them: p->staged,
 * for p->region. */
bool plan__needs_stages(const struct query *q);
struct error *plan__stages(struct plan *p);

/* Plans that pull every table reference of q->select (or of the whole SELECT `s`) and run its text
 * over what was pulled. */
struct error *plan__gather(struct plan *p, const struct select *s, struct plan_gather **ret);

/* A batch plan; NULL: the shape is not covered. */
struct plan_batch *plan__batch(struct plan *p, const struct plan_context *pc,
                               const struct select *s);

/* Can exec's evaluator compute it? No subqueries, window functions, volatile functions. */
bool plan__evaluable(const struct expr *e);
