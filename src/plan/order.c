/*
 * The order of joins in a batch plan, by rows that are counted and guesses about the rest.
 *
 * Every element but the first is read whole, in whatever order; what the order decides is how many
 * rows travel along the chain. So the element that comes next is the one by which the rows so far
 * become the fewest: (its rows that pass its filters) / (values of its keys). Keys are as many
 * values as there are rows where they are a unique key, and as many as the rows on the other side
 * where that is one (a foreign key); else their number is guessed as the square root.
 */
#include "batch_int.h"

#include <math.h>

static double rows_of(const struct plan_context *pc, const struct rte *r)
{
    int64_t n = pc->row_count ? pc->row_count(pc->ctx, r->table) : -1;
    return n < 0 ? 1000 : n == 0 ? 1 : (double)n;
}

/* ---- filters -------------------------------------------------------------------------------- */

/* The part of the rows that a condition is guessed to let through. */
static double passing(const struct expr *e)
{
    static const struct {
        const char *name;
        double part;
    } operators[] = {{"=", 0.1},  {"<", 0.4},  {"<=", 0.4},  {">", 0.4},
                     {">=", 0.4}, {"~~", 0.1}, {"~~*", 0.1}, {"<>", 0.9}};
    double part = e->kind == EXPR_AND ? 1 : 0;
    switch (e->kind) {
    case EXPR_AND:
        for (int i = 0; i < e->n_args; i++)
            part *= passing(e->args[i]);
        return part;
    case EXPR_OR:
        for (int i = 0; i < e->n_args; i++)
            part += passing(e->args[i]);
        return MIN(part, 0.9);
    case EXPR_NOT:
        return 1 - passing(e->args[0]);
    case EXPR_IN:
        return MIN(0.1 * (e->n_args - 1), 0.7);
    case EXPR_FUNC:
        for (size_t i = 0; i < ARRAY_LEN(operators); i++)
            if (strcmp(e->call.func->name, operators[i].name) == 0)
                return operators[i].part;
        break;
    default:
        break;
    }
    return 0.5;
}

static double filtered_rows(const struct plan_context *pc, const struct rte *r)
{
    double n = rows_of(pc, r);
    for (int i = 0; i < r->n_filters; i++)
        n *= passing(r->filters[i]);
    return MAX(n, 1);
}

/* ---- keys ----------------------------------------------------------------------------------- */

static bool in_keys(const struct join_key *keys, int n, const struct rte *r, int column)
{
    for (int i = 0; i < n; i++) {
        const struct expr *e = keys[i].inner;
        if (e->kind == EXPR_COLUMN && e->col.rte == r && e->col.column == column)
            return true;
    }
    return false;
}

/* Do the inner keys hold a unique key of their table? */
static bool is_unique(const struct join_key *keys, int n, const struct rte *r)
{
    for (int k = 0; k < r->table->n_keys; k++) {
        const struct key *key = &r->table->keys[k];
        bool all = true;
        for (int c = 0; c < key->n_columns; c++)
            all = all && in_keys(keys, n, r, key->columns[c]);
        if (all)
            return true;
    }
    return false;
}

/* How many values a key of r has, about. */
static double values_of(const struct plan_context *pc, const struct rte *r,
                        const struct join_key *key)
{
    const struct join_key outer = {.inner = key->outer};
    const struct expr *e = key->outer;
    if (e->kind == EXPR_COLUMN && is_unique(&outer, 1, e->col.rte))
        return rows_of(pc, e->col.rte);
    return MAX(sqrt(rows_of(pc, r)), 10);
}

/* Rows of r for each row so far. */
static double matches(const struct plan_context *pc, const struct rte *r,
                      const struct key_list *keys)
{
    double values = 1, rows = rows_of(pc, r);
    for (int i = 0; i < keys->n; i++)
        values *= values_of(pc, r, &keys->keys[i]);
    if (is_unique(keys->keys, keys->n, r))
        values = rows;
    return filtered_rows(pc, r) / MIN(values, rows);
}

static bool keys_to(const struct shape *h, const struct rte *r, struct key_list *ret)
{
    ret->n = 0;
    for (int i = 0; i < h->n_pool; i++)
        if (plan__connects(h, h->pool[i], r, &ret->keys[ret->n]))
            ret->n++;
    return ret->n > 0;
}

/* ---- the choice ----------------------------------------------------------------------------- */

bool plan__all_placed(const struct shape *h, const struct expr *e, const struct rte *also)
{
    for (int i = 0; i < h->n; i++)
        if (!h->element[i].placed && h->element[i].rte != also &&
            expr_mentions(e, h->element[i].rte))
            return false;
    return true;
}

int plan__first_element(const struct shape *h, const struct plan_context *pc)
{
    int best = -1;
    double most = -1;
    for (int i = 0; i < h->n; i++) {
        if (h->element[i].left)
            continue;
        double n = rows_of(pc, h->element[i].rte);
        if (n > most) {
            most = n;
            best = i;
        }
    }
    return best;
}

static int best_connected(const struct shape *h, const struct plan_context *pc)
{
    int best = -1;
    double fewest = 0, smallest = 0;
    struct key_list *keys = ARENA_NEW(&h->p->arena, struct key_list);
    for (int i = 0; i < h->n; i++) {
        const struct element *e = &h->element[i];
        if (e->placed || e->left || !keys_to(h, e->rte, keys))
            continue;
        double n = matches(pc, e->rte, keys), size = rows_of(pc, e->rte);
        if (best < 0 || n < fewest || (n == fewest && size < smallest)) {
            best = i;
            fewest = n;
            smallest = size;
        }
    }
    return best;
}

int plan__next_element(const struct shape *h, const struct plan_context *pc)
{
    int best = best_connected(h, pc);
    for (int i = 0; best < 0 && i < h->n; i++)
        if (!h->element[i].placed && h->element[i].left &&
            (!h->element[i].on || plan__all_placed(h, h->element[i].on, h->element[i].rte)))
            best = i;
    for (int i = 0; best < 0 && i < h->n; i++)
        if (!h->element[i].placed && !h->element[i].left)
            best = i;
    return best;
}
