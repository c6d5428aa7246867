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

static double rows_of(const struct shape *h, const struct rte *r)
{
    int at = plan__element_of(h, r);
    if (at >= 0 && h->element[at].sub)
        return MAX(h->element[at].sub->rows, 1);
    if (r->kind != RTE_TABLE)
        return 1000;
    int64_t n = h->pc->row_count ? h->pc->row_count(h->pc->ctx, r->table) : -1;
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

static double filtered_rows(const struct shape *h, const struct rte *r)
{
    double n = rows_of(h, r);
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
    for (int k = 0; r->kind == RTE_TABLE && k < r->table->n_keys; k++) {
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
static double values_of(const struct shape *h, const struct rte *r, const struct join_key *key)
{
    const struct join_key outer = {.inner = key->outer};
    const struct expr *e = key->outer;
    if (e->kind == EXPR_COLUMN && is_unique(&outer, 1, e->col.rte))
        return rows_of(h, e->col.rte);
    return MAX(sqrt(rows_of(h, r)), 10);
}

/* Rows of r for each row so far. */
static double matches(const struct shape *h, const struct rte *r, const struct key_list *keys)
{
    double values = 1, rows = rows_of(h, r);
    for (int i = 0; i < keys->n; i++)
        values *= values_of(h, r, &keys->keys[i]);
    if (is_unique(keys->keys, keys->n, r))
        values = rows;
    return filtered_rows(h, r) / MIN(values, rows);
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

int plan__first_element(const struct shape *h, double *ret_rows)
{
    int best = -1;
    double most = -1;
    for (int i = 0; i < h->n; i++) {
        if (h->element[i].kind != PLAN_JOIN_INNER)
            continue;
        double n = rows_of(h, h->element[i].rte);
        if (n > most) {
            most = n;
            best = i;
        }
    }
    *ret_rows = best < 0 ? 0 : filtered_rows(h, h->element[best].rte);
    return best;
}

static int best_connected(const struct shape *h, double *ret_factor)
{
    int best = -1;
    double smallest = 0;
    struct key_list *keys = ARENA_NEW(&h->p->arena, struct key_list);
    for (int i = 0; i < h->n; i++) {
        const struct element *e = &h->element[i];
        if (e->placed || e->kind != PLAN_JOIN_INNER || !keys_to(h, e->rte, keys))
            continue;
        double n = matches(h, e->rte, keys), size = rows_of(h, e->rte);
        if (best < 0 || n < *ret_factor || (n == *ret_factor && size < smallest)) {
            best = i;
            *ret_factor = n;
            smallest = size;
        }
    }
    return best;
}

/* Are all elements that e mentions placed, counting `also` as placed? */
static bool all_placed(const struct shape *h, const struct expr *e, const struct rte *also)
{
    for (int i = 0; i < h->n; i++)
        if (h->element[i].rte && !h->element[i].placed && h->element[i].rte != also &&
            expr_mentions(e, h->element[i].rte))
            return false;
    return true;
}

/* Can what is joined by its own condition come now? */
static bool is_ready(const struct shape *h, const struct element *e)
{
    if (e->placed || e->kind == PLAN_JOIN_INNER)
        return false;
    if (e->rte)
        return !e->on || all_placed(h, e->on, e->rte);
    for (int i = 0; i < e->keys->n; i++)
        if (!all_placed(h, e->keys->keys[i].outer, NULL))
            return false;
    for (int i = 0; i < e->n_conditions; i++)
        if (!all_placed(h, e->conditions[i], NULL))
            return false;
    return true;
}

static bool drops_rows(const struct element *e)
{
    return e->kind == PLAN_JOIN_SEMI || e->kind == PLAN_JOIN_ANTI;
}

/* What drops rows comes before what multiplies them; left joins wait for both. */
int plan__next_element(const struct shape *h, double *ret_factor)
{
    int best = best_connected(h, ret_factor), other = -1;
    for (int i = 0; i < h->n; i++)
        if (is_ready(h, &h->element[i]) &&
            (other < 0 || (drops_rows(&h->element[i]) && !drops_rows(&h->element[other]))))
            other = i;
    if (other >= 0 && (best < 0 || (*ret_factor > 1 && drops_rows(&h->element[other])))) {
        *ret_factor = drops_rows(&h->element[other]) ? 0.5 : 1;
        return other;
    }
    for (int i = 0; best < 0 && i < h->n; i++)
        if (!h->element[i].placed && h->element[i].kind == PLAN_JOIN_INNER) {
            best = i;
            *ret_factor = filtered_rows(h, h->element[i].rte);
        }
    return best;
}
