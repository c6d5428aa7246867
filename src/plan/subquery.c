/*
 * Subqueries in the conditions of a batch plan become steps of its chain of joins:
 *
 *   EXISTS, IN          a semi join: rows are kept for which there is a match
 *   NOT EXISTS, NOT IN  an anti join. NOT IN only where neither side can be NULL
 *   a scalar subquery   that mentions nothing around it: computed once, before the scans
 *   an aggregate of rows that belong to the outer row by equalities: grouped by its side of them,
 *                       and left-joined
 *
 * A subquery is taken apart: conjuncts of its WHERE that mention itself only stay its own, so that
 * what is left is a select that can be planned by itself; equalities of something of its own with
 * something of one outer table are the keys of the join; others its further conditions.
 *
 * An aggregate over no rows is NULL, as is what a left join gives for no match, but for count():
 * that is not covered, nor is one that might raise an error for rows of no outer row.
 */
#include "batch_int.h"

struct parts {
    struct shape *h;
    const struct select *s;
    int n_own, n_conditions;
    struct expr **own, **conditions;
    struct key_list *keys;
};

/* ---- whose columns -------------------------------------------------------------------------- */

struct sides {
    const struct shape *h;
    bool outer, inner, subquery;
};

static bool find_sides(void *ctx, const struct expr *e)
{
    struct sides *x = ctx;
    x->subquery |= e->kind == EXPR_SUBQUERY;
    if (e->kind == EXPR_COLUMN && plan__element_of(x->h, e->col.rte) >= 0)
        x->outer = true;
    else if (e->kind == EXPR_COLUMN)
        x->inner = true;
    return true;
}

static struct sides sides_of(const struct shape *h, const struct expr *e)
{
    struct sides x = {.h = h};
    if (e)
        expr_walk(e, true, find_sides, &x);
    return x;
}

static bool from_is_own(const struct shape *h, const struct from *f)
{
    if (!f->rte)
        return from_is_own(h, f->left) && from_is_own(h, f->right) && !sides_of(h, f->on).outer;
    struct sides x = {.h = h};
    if (f->rte->select)
        select_walk(f->rte->select, true, find_sides, &x);
    return !x.outer;
}

/* ---- taking apart --------------------------------------------------------------------------- */

static bool add_key(struct parts *x, const struct expr *outer, const struct expr *inner, bool nulls)
{
    if (x->keys->n == MAX_CONJUNCTS || plan__owner_of(x->h, outer) < 0)
        return false;
    x->keys->keys[x->keys->n++] = (struct join_key){.outer = outer, .inner = inner, .nulls = nulls};
    return true;
}

static bool is_key(struct parts *x, const struct expr *e)
{
    const struct expr *side[2];
    bool nulls;
    if (!expr_is_equality(e, &side[0], &side[1], &nulls))
        return false;
    for (int i = 0; i < 2; i++) {
        struct sides outer = sides_of(x->h, side[i]), inner = sides_of(x->h, side[1 - i]);
        if (outer.outer && !outer.inner && inner.inner && !inner.outer)
            return add_key(x, side[i], side[1 - i], nulls);
    }
    return false;
}

static bool take_apart(struct parts *x)
{
    struct arena *a = &x->h->p->arena;
    struct expr **list;
    int n = expr_conjuncts(x->s->where, a, &list);
    x->keys = ARENA_NEW(a, struct key_list);
    x->own = ARENA_ARRAY(a, struct expr *, MAX(n, 1));
    x->conditions = ARENA_ARRAY(a, struct expr *, MAX(n, 1));
    for (int i = 0; i < x->s->n_from; i++)
        if (!from_is_own(x->h, x->s->from[i]))
            return false;
    for (int i = 0; i < n; i++) {
        struct sides side = sides_of(x->h, list[i]);
        if (!side.outer)
            x->own[x->n_own++] = list[i];
        else if (side.subquery)
            return false;
        else if (!is_key(x, list[i]))
            x->conditions[x->n_conditions++] = list[i];
    }
    return true;
}

/* ---- the select that is left ---------------------------------------------------------------- */

struct columns {
    const struct shape *h;
    struct select *s;
};

static void add_target(struct select *s, const struct expr *e)
{
    for (int i = 0; i < s->n_targets; i++)
        if (expr_equal(s->targets[i].expr, e))
            return;
    s->targets[s->n_targets++] = (struct target){.expr = (struct expr *)(uintptr_t)e, .name = ""};
}

static bool find_column(void *ctx, const struct expr *e)
{
    struct columns *c = ctx;
    if (e->kind != EXPR_COLUMN || plan__element_of(c->h, e->col.rte) >= 0)
        return true;
    add_target(c->s, e);
    return true;
}

static int count_nodes(const struct expr *e)
{
    int n = 1;
    for (int i = 0; i < e->n_args; i++)
        n += count_nodes(e->args[i]);
    return n;
}

/* The own part, selecting the keys, what the conditions read, and `value` last (or NULL). */
static struct select *own_select(struct parts *x, const struct expr *value)
{
    struct arena *a = &x->h->p->arena;
    struct select *s = ARENA_NEW(a, struct select);
    int room = x->keys->n + 1;
    for (int i = 0; i < x->n_conditions; i++)
        room += count_nodes(x->conditions[i]);
    *s = *x->s;
    s->targets = ARENA_ARRAY(a, struct target, room);
    s->n_targets = s->n_order = 0;
    s->correlated = s->distinct = false;
    s->where = NULL;
    if (x->n_own) {
        s->where = ARENA_NEW(a, struct expr);
        *s->where = (struct expr){
            .kind = EXPR_AND, .type = OID_BOOL, .typmod = -1, .n_args = x->n_own, .args = x->own};
    }
    for (int i = 0; i < x->keys->n; i++)
        add_target(s, x->keys->keys[i].inner);
    struct columns c = {.h = x->h, .s = s};
    for (int i = 0; i < x->n_conditions; i++)
        expr_walk(x->conditions[i], true, find_column, &c);
    if (value)
        s->targets[s->n_targets++] =
            (struct target){.expr = (struct expr *)(uintptr_t)value, .name = ""};
    return s;
}

static bool add_element(struct parts *x, const struct select *s, enum plan_join_kind kind,
                        const struct expr *value)
{
    struct shape *h = x->h;
    struct plan_batch *sub = h->n < MAX_SCANS ? plan__batch(h->p, h->pc, s) : NULL;
    if (!sub || sub->select != s)
        return false;
    h->element[h->n++] = (struct element){.sub = sub,
                                          .kind = kind,
                                          .keys = x->keys,
                                          .n_conditions = x->n_conditions,
                                          .conditions = x->conditions,
                                          .value = value};
    return true;
}

/* ---- EXISTS and IN -------------------------------------------------------------------------- */

static bool is_simple(const struct select *s)
{
    return s->kind == SELECT_PLAIN && s->n_from && !s->n_ctes && !s->limit && !s->offset &&
           !s->n_windows && !s->n_sets && !s->n_distinct_on && !s->for_update;
}

static bool match_rows(struct shape *h, const struct expr *e, enum plan_join_kind kind)
{
    struct parts x = {.h = h, .s = e->sub.select};
    if (!is_simple(x.s) || x.s->grouped || !take_apart(&x))
        return false;
    for (int i = 0; i < e->n_args; i++) {
        struct expr *target = x.s->targets[i].expr;
        struct sides side = sides_of(h, target);
        if (side.outer || side.subquery || !expr_hash_alike(e->args[i], target) ||
            !add_key(&x, e->args[i], target, false))
            return false;
    }
    return add_element(&x, own_select(&x, NULL), kind, NULL);
}

/* args IN (a whole select that mentions nothing around it) */
static bool match_result(struct shape *h, const struct expr *e, enum plan_join_kind kind)
{
    struct parts x = {.h = h, .s = e->sub.select, .keys = ARENA_NEW(&h->p->arena, struct key_list)};
    if (x.s->correlated || x.s->kind != SELECT_PLAIN || x.s->distinct)
        return false;
    for (int i = 0; i < e->n_args; i++)
        if (!expr_hash_alike(e->args[i], x.s->targets[i].expr) ||
            !add_key(&x, e->args[i], x.s->targets[i].expr, false))
            return false;
    return add_element(&x, x.s, kind, NULL);
}

static bool take_condition(struct shape *h, const struct expr *e, bool negated)
{
    enum plan_join_kind kind = negated ? PLAN_JOIN_ANTI : PLAN_JOIN_SEMI;
    if (e->kind == EXPR_NOT)
        return take_condition(h, e->args[0], !negated);
    if (e->kind != EXPR_SUBQUERY)
        return false;
    switch (e->sub.kind) {
    case SUBQUERY_EXISTS:
        return match_rows(h, e, kind);
    case SUBQUERY_NOT_IN:
        kind = negated ? PLAN_JOIN_SEMI : PLAN_JOIN_ANTI;
        /* fall through */
    case SUBQUERY_IN:
        if (e->sub.kind == SUBQUERY_NOT_IN || negated)
            for (int i = 0; i < e->n_args; i++)
                if (expr_nullable(e->args[i]) || expr_nullable(e->sub.select->targets[i].expr))
                    return false;
        return match_rows(h, e, kind) || match_result(h, e, kind);
    default:
        return false;
    }
}

/* ---- values --------------------------------------------------------------------------------- */

/* Is it NULL when its aggregates are over no rows? */
static bool is_null_of_none(const struct expr *e)
{
    static const char *const known[] = {"sum", "avg", "min", "max"};
    if (e->kind == EXPR_AGG) {
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            if (strcmp(e->call.func->name, known[i]) == 0)
                return true;
        return false;
    }
    if ((e->kind != EXPR_CAST && e->kind != EXPR_FUNC) || (e->call.func && !e->call.func->strict))
        return false;
    for (int i = 0; i < e->n_args; i++)
        if (is_null_of_none(e->args[i]))
            return true;
    return false;
}

static bool find_any_column(void *ctx, const struct expr *e)
{
    *(bool *)ctx |= e->kind == EXPR_COLUMN;
    return true;
}

static bool operator_fails(const struct expr *e)
{
    static const char *const compare[] = {"=", "<>", "<", "<=", ">", ">="};
    static const char *const compute[] = {"+", "-", "*"};
    const char *name = e->call.func->name;
    if (e->call.func->kind != FUNC_OPERATOR)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(compare); i++)
        if (strcmp(name, compare[i]) == 0)
            return false;
    for (size_t i = 0; e->type == OID_NUMERIC && i < ARRAY_LEN(compute); i++)
        if (strcmp(name, compute[i]) == 0)
            return false;
    return true;
}

/* Might it be an error for some row? */
static bool find_failing(void *ctx, const struct expr *e)
{
    bool column = false;
    expr_walk(e, true, find_any_column, &column);
    if (!column)
        return false;
    switch (e->kind) {
    case EXPR_COLUMN:
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_NOT:
    case EXPR_IS:
    case EXPR_AGG:
    case EXPR_IN:
    case EXPR_DISTINCT:
        return true;
    case EXPR_FUNC:
        *(bool *)ctx |= operator_fails(e);
        return true;
    case EXPR_CAST:
        *(bool *)ctx |= e->type != OID_NUMERIC ||
                        (e->args[0]->type != OID_INT2 && e->args[0]->type != OID_INT4 &&
                         e->args[0]->type != OID_INT8) ||
                        e->typmod >= 0;
        return true;
    default:
        *(bool *)ctx = true;
        return false;
    }
}

/* Grouped, it is computed also for rows that belong to no outer one, which PostgreSQL never reads:
 * they must not raise errors. */
static bool may_fail(const struct select *s)
{
    bool fails = false;
    select_walk(s, true, find_failing, &fails);
    return fails;
}

static void add_value(struct shape *h, const struct expr *e, struct plan_batch *once)
{
    h->b->subs[h->b->n_subs++] = (struct plan_sub){.e = e, .once = once};
}

static bool grouped_value(struct shape *h, const struct expr *e)
{
    struct parts x = {.h = h, .s = e->sub.select};
    if (!is_simple(x.s) || !x.s->grouped || x.s->n_group || x.s->having || !take_apart(&x) ||
        x.n_conditions || !x.keys->n || sides_of(h, x.s->targets[0].expr).outer ||
        !is_null_of_none(x.s->targets[0].expr) || may_fail(x.s))
        return false;
    struct select *s = own_select(&x, x.s->targets[0].expr);
    s->group = ARENA_ARRAY(&h->p->arena, struct expr *, x.keys->n);
    for (int i = 0; i < x.keys->n; i++)
        s->group[s->n_group++] = (struct expr *)(uintptr_t)x.keys->keys[i].inner;
    if (!add_element(&x, s, PLAN_JOIN_LEFT, e))
        return false;
    add_value(h, e, NULL);
    return true;
}

static bool take_value(struct shape *h, const struct expr *e, bool per_row)
{
    if (e->sub.kind != SUBQUERY_SCALAR || h->b->n_subs == MAX_SCANS)
        return false;
    if (plan_batch_sub(h->b, e))
        return true;
    if (e->sub.select->correlated)
        return per_row && grouped_value(h, e);
    struct plan_batch *once = plan__batch(h->p, h->pc, e->sub.select);
    if (once)
        add_value(h, e, once);
    return once != NULL;
}

struct values {
    struct shape *h;
    bool per_row, ok;
};

static bool find_value(void *ctx, const struct expr *e)
{
    struct values *v = ctx;
    if (e->kind == EXPR_SUBQUERY && v->ok)
        v->ok = take_value(v->h, e, v->per_row);
    return v->ok;
}

/* ---- all ------------------------------------------------------------------------------------ */

bool plan__subqueries(struct shape *h)
{
    struct values v = {.h = h, .per_row = true, .ok = true};
    for (int i = 0; i < h->n_pool; i++) {
        if (h->placed_conjunct[i] || !expr_has_subquery(h->pool[i]))
            continue;
        if (take_condition(h, h->pool[i], false))
            h->placed_conjunct[i] = true;
        else
            expr_walk(h->pool[i], false, find_value, &v);
    }
    struct select rest = *h->s;
    rest.where = rest.limit = rest.offset = NULL;
    rest.n_ctes = rest.n_from = 0;
    v.per_row = false;
    select_walk(&rest, false, find_value, &v);
    return v.ok;
}
