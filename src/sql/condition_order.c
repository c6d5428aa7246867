/*
 * The order of conditions. PostgreSQL tests those of one place by what they cost, the cheapest
 * first, as they are written where they cost the same: 1 / x > 0 AND x <> 0 is no division by zero
 * there. SQLite tests them as they are printed, but for those that an index answers.
 *
 * A condition costs one for each function that is called, an operator's or a cast's; what is made
 * of constants costs nothing. Where nothing can fail, the order is nobody's business.
 */
#include "sql_int.h"

/* ---- what may fail ------------------------------------------------------------------------- */

static bool call_fails(const struct expr *e)
{
    static const char *const safe[] = {
        "=", "<>", "<", "<=", ">", ">=", "||", "~~", "!~~", "~~*", "!~~*"};
    static const char *const of_numeric[] = {"+", "-", "*"};
    const struct func *f = e->call.func;
    if (f->kind != FUNC_OPERATOR)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(safe); i++)
        if (strcmp(f->name, safe[i]) == 0)
            return false;
    for (size_t i = 0; e->type == OID_NUMERIC && i < ARRAY_LEN(of_numeric); i++)
        if (strcmp(f->name, of_numeric[i]) == 0)
            return false;
    return true;
}

/* What is made of constants fails whatever the row is. */
static bool find_failing(void *ctx, const struct expr *e)
{
    bool *fails = ctx;
    if (expr_is_constant(e))
        return false;
    if (e->kind == EXPR_FUNC)
        *fails |= call_fails(e);
    else if (e->kind == EXPR_CAST)
        *fails |= e->call.func && (e->type != OID_TEXT || e->typmod >= 0);
    else if (e->kind == EXPR_SUBQUERY)
        *fails |= e->sub.kind == SUBQUERY_SCALAR;
    return !*fails;
}

bool expr_may_fail(const struct expr *e)
{
    bool fails = false;
    expr_walk(e, true, find_failing, &fails);
    return fails;
}

/* ---- what it costs ------------------------------------------------------------------------- */

enum { ARRAY_ITEMS = 10, SUBQUERY_COST = 1000 };

static double own_cost(const struct expr *e)
{
    switch (e->kind) {
    case EXPR_FUNC:
    case EXPR_DISTINCT:
    case EXPR_NULLIF:
    case EXPR_GREATEST:
    case EXPR_LEAST:
        return 1;
    case EXPR_CAST:
        return e->call.func ? 1 : 0;
    case EXPR_IN:
        return e->n_args > 2 ? (e->n_args - 1) * 0.5 : 1;
    case EXPR_ANY:
        return ARRAY_ITEMS * 0.5;
    case EXPR_ROW_COMPARE:
        return e->row.n;
    case EXPR_SUBQUERY: /* one that hangs on nothing is computed once, before */
        return e->sub.kind == SUBQUERY_SCALAR && !e->sub.select->correlated ? 0 : SUBQUERY_COST;
    default:
        return 0;
    }
}

static double cost(const struct expr *e)
{
    double ret = 0;
    if (expr_is_constant(e))
        return 0;
    for (int i = 0; i < e->n_args; i++)
        ret += cost(e->args[i]);
    return ret + own_cost(e);
}

void sql__order_conditions(struct analysis *a, struct expr *e)
{
    if (a->as_written || e->kind != EXPR_AND || !expr_may_fail(e))
        return;
    double *costs = ARENA_ARRAY(a->arena, double, e->n_args);
    for (int i = 0; i < e->n_args; i++) { /* few, and mostly in order */
        struct expr *one = e->args[i];
        double of_one = cost(one);
        int k = i;
        for (; k > 0 && costs[k - 1] > of_one; k--) {
            e->args[k] = e->args[k - 1];
            costs[k] = costs[k - 1];
        }
        e->args[k] = one;
        costs[k] = of_one;
    }
}
