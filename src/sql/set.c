/*
 * Functions that return rows, in FROM: unnest(a) AS u(x), ROWS FROM (f(), g()) WITH ORDINALITY.
 *
 * An RTE_CALLS holds calls side by side. Each is an EXPR_FUNC of a FUNC_SET row, or any other
 * expression, which stands for a table of one row. Its columns are those of the calls in their
 * order, then perhaps the ordinality. Those in a target list become such an entry, too: see below.
 */
#include "sql_int.h"

enum { MAX_CALLS = 16, MAX_COLUMNS = 63 }; /* what minisql_set() takes */

static bool is_set(const struct expr *e)
{
    return e->kind == EXPR_FUNC && e->call.func->kind == FUNC_SET;
}

/* ---- in FROM ----------------------------------------------------------------------------------
 */

/* Gives the columns of one call their names and types. */
static struct error *call_columns(struct analysis *a, const struct expr *e, const char *name,
                                  struct rte_column *to)
{
    if (!is_set(e) || !e->call.func->set->columns) {
        *to = (struct rte_column){.name = name, .type = e->type, .typmod = e->typmod};
        return NULL;
    }
    const struct func *f = e->call.func;
    uint32_t types[FUNC_MAX_BOUND] = {0};
    int n = e->n_args - f->typed;
    struct binding b;
    for (int i = 0; i < n; i++)
        types[i] = e->args[i]->type;
    TRY(sql__at(a, func_bind(f, types, n, &b), e->position - 1));
    for (int i = 0; i < f->set->n_columns; i++)
        to[i] = (struct rte_column){
            .name = f->set->columns[i].name, .type = b.columns[i], .typmod = -1};
    return NULL;
}

static const char *function_name(struct analysis *a, const Node *n)
{
    return arena_strdup(a->arena, sql__column_name(n));
}

static struct error *one_call(struct analysis *a, struct scope *s, const Node *n, struct list *ret)
{
    const FuncCall *f = IsA(n, FuncCall) ? (const FuncCall *)n : NULL;
    struct expr *e;
    if (f && func_exists(strVal(llast(f->funcname)), FUNC_SET))
        TRY(sql__set_call(a, s, f, &e));
    else
        TRY(sql__expr(a, s, n, &e));
    sql__default_unknown(a, &e);
    sql__push(a->arena, ret, e);
    return NULL;
}

/* unnest(a, b) is ROWS FROM (unnest(a), unnest(b)) */
static bool is_unnest_of_several(const Node *n)
{
    const FuncCall *f = (const FuncCall *)n;
    return IsA(n, FuncCall) && list_length(f->args) > 1 && !f->func_variadic &&
           strcmp(strVal(llast(f->funcname)), "unnest") == 0;
}

static struct error *calls(struct analysis *a, struct scope *s, const RangeFunction *n,
                           struct list *ret, struct list *ret_names)
{
    for (int i = 0; i < list_length(n->functions); i++) {
        const List *item = list_nth(n->functions, i);
        const Node *node = linitial(item);
        if (list_length(item) > 1 && lsecond(item))
            return sql__unsupported(a, sql__location(node), "Name the columns' types by casts.",
                                    "a column definition list is not supported");
        if (!is_unnest_of_several(node)) {
            TRY(one_call(a, s, node, ret));
            sql__push(a->arena, ret_names, (void *)(uintptr_t)function_name(a, node));
            continue;
        }
        const FuncCall *f = (const FuncCall *)node;
        for (int k = 0; k < list_length(f->args); k++) {
            struct expr *e;
            TRY(sql__expr(a, s, list_nth(f->args, k), &e));
            TRY(sql__call_kind(a, "unnest", FUNC_SET, &e, 1, f->location, &e));
            sql__push(a->arena, ret, e);
            sql__push(a->arena, ret_names, (void *)(uintptr_t) "unnest");
        }
    }
    return NULL;
}

static struct error *columns(struct analysis *a, struct rte *r, const struct list *names,
                             bool named_as_table)
{
    int n = r->ordinality;
    for (int i = 0; i < r->n_args; i++)
        n += sql_set_width(r->args[i]);
    if (r->n_args > MAX_CALLS || n > MAX_COLUMNS)
        return sql__unsupported(a, r->position - 1, "Join several of them.",
                                "so many columns of functions in FROM are not supported");
    r->columns = ARENA_ARRAY(a->arena, struct rte_column, n);
    for (int i = 0; i < r->n_args; i++) {
        const char *name = named_as_table && r->n_args == 1 ? r->name : names->items[i];
        if (r->args[i]->type == OID_RECORD && sql_set_width(r->args[i]) == 1)
            return sql__at(a,
                           error_new(E_SYNTAX, "a column definition list is required for "
                                               "functions returning \"record\""),
                           r->args[i]->position - 1);
        TRY(call_columns(a, r->args[i], name, r->columns + r->n_columns));
        r->n_columns += sql_set_width(r->args[i]);
    }
    if (r->ordinality)
        r->columns[r->n_columns++] = (struct rte_column){
            .name = "ordinality", .type = OID_INT8, .typmod = -1, .not_null = true};
    return NULL;
}

struct error *sql__function_rte(struct analysis *a, struct scope *s, const RangeFunction *n,
                                struct rte **ret)
{
    struct list exprs = {0}, names = {0};
    const Node *first = linitial((const List *)linitial(n->functions));
    int location = sql__location(first);
    if (n->coldeflist)
        return sql__unsupported(a, location, "Name the columns' types by casts.",
                                "a column definition list is not supported");
    s->clause = CLAUSE_FROM_FUNCTION;
    TRY(calls(a, s, n, &exprs, &names));
    struct rte *r =
        sql__new_rte(a, RTE_CALLS, n->alias ? n->alias->aliasname : names.items[0], location);
    r->n_args = exprs.n;
    r->args = ARENA_ARRAY(a->arena, struct expr *, exprs.n);
    memcpy(r->args, exprs.items, sizeof(void *) * (size_t)exprs.n);
    r->ordinality = n->ordinality;
    *ret = r;
    return columns(a, r, &names, n->alias != NULL);
}

/* ---- in a target list ------------------------------------------------------------------------ */

/*
 * SELECT unnest(a), f(b) FROM t: PostgreSQL runs both side by side for each row of t, until both
 * have ended. That is FROM t, LATERAL ROWS FROM (unnest(a), f(b)), and so it is written. A call in
 * the arguments of another one comes first, in an entry of its own.
 */

static struct error *not_allowed(const struct analysis *a, const char *where, int location)
{
    if (strcmp(where, "functions in FROM") == 0)
        return sql__at(
            a, error_new(E_UNSUPPORTED, "set-returning functions must appear at top level of FROM"),
            location);
    return sql__at(a,
                   error_new(E_UNSUPPORTED, "set-returning functions are not allowed in %s", where),
                   location);
}

static struct error *with_hint(struct error *e)
{
    return error_hint(e, "You might be able to move the set-returning function into a LATERAL "
                         "FROM item.");
}

static struct error *check_place(const struct analysis *a, const struct scope *s, int location)
{
    const char *where =
        s ? s->clause == CLAUSE_HAVING ? "HAVING" : sql__clause_text(s->clause) : "this context";
    if (where && s && s->clause == CLAUSE_GROUP)
        where = NULL;
    if (where)
        return not_allowed(a, where, location);
    if (s->no_sets)
        return with_hint(not_allowed(a, s->no_sets, location));
    if (s->in_agg || s->in_window)
        return with_hint(
            sql__at(a,
                    error_new(E_UNSUPPORTED,
                              "%s function calls cannot contain set-returning function calls",
                              s->in_agg ? "aggregate" : "window"),
                    location));
    return s->select ? NULL : not_allowed(a, "this context", location);
}

struct finding {
    const struct scope *s;
    int level; /* of the deepest of its projections */
};

static bool find_projection(void *ctx, const struct expr *e)
{
    struct finding *f = ctx;
    for (int i = f->level + 1; i < f->s->projections.n && e->kind == EXPR_COLUMN; i++) {
        if (e->col.rte == f->s->projections.items[i])
            f->level = i;
    }
    return true;
}

static struct rte *projection(struct analysis *a, struct scope *s, int level, int location)
{
    if (level < s->projections.n)
        return s->projections.items[level];
    struct rte *r = sql__new_rte(a, RTE_CALLS, "rows", location);
    r->owner = s->select;
    r->lateral = s->items.n > 0 || level > 0;
    r->columns = ARENA_ARRAY(a->arena, struct rte_column, MAX_COLUMNS + 1);
    r->args = ARENA_ARRAY(a->arena, struct expr *, MAX_CALLS);
    sql__push(a->arena, &s->projections, r);
    return r;
}

struct error *sql__project_set(struct analysis *a, struct scope *s, struct expr *call,
                               struct rte **ret, int *ret_column)
{
    int location = call->position - 1, column = 0;
    TRY(check_place(a, s, location));
    struct finding f = {.s = s, .level = -1};
    expr_walk(call, true, find_projection, &f);
    struct rte *r = projection(a, s, f.level + 1, location);
    for (int i = 0; i < r->n_args; i++) {
        if (expr_equal(r->args[i], call)) {
            *ret = r;
            *ret_column = column;
            return NULL;
        }
        column += sql_set_width(r->args[i]);
    }
    if (r->n_args == MAX_CALLS || r->n_columns + sql_set_width(call) > MAX_COLUMNS)
        return sql__unsupported(a, location, "Join several of them.",
                                "so many functions that return rows are not supported");
    TRY(call_columns(a, call, "row", r->columns + r->n_columns));
    r->n_columns += sql_set_width(call);
    r->args[r->n_args++] = call;
    *ret = r;
    *ret_column = column;
    return NULL;
}

/*
 * Groups, windows and DISTINCT ON come before them: SELECT f(count(*)), a FROM t GROUP BY a is
 * SELECT f, a FROM (SELECT count(*), a FROM t GROUP BY a), LATERAL f(count). Only where a key of
 * GROUP BY or a window reads one, it is in FROM.
 */
static bool reads_projection(const struct list *projections, const struct expr *e)
{
    for (int i = 0; i < projections->n; i++) {
        if (expr_mentions(e, projections->items[i]))
            return true;
    }
    return false;
}

bool sql__returns_set(const struct scope *s, const struct expr *e)
{
    return s && reads_projection(&s->projections, e);
}

static bool any_mentions(struct expr *const *list, int n, const struct rte *r)
{
    for (int i = 0; i < n; i++) {
        if (expr_mentions(list[i], r))
            return true;
    }
    return false;
}

static bool order_mentions(const struct order_item *order, int n, const struct rte *r)
{
    for (int i = 0; i < n; i++) {
        if (expr_mentions(order[i].expr, r))
            return true;
    }
    return false;
}

static bool is_below(const struct select *sel, const struct rte *r)
{
    bool below = any_mentions(sel->group, sel->n_group, r);
    for (int i = 0; i < sel->n_windows; i++) {
        const struct window *w = sel->windows[i];
        below |= any_mentions(w->partition, w->n_partition, r) ||
                 order_mentions(w->order, w->n_order, r);
    }
    return below;
}

/* What DISTINCT ON takes by an ORDER BY that reads none of them is taken before they run. */
static bool after_distinct(const struct scope *s, const struct select *sel)
{
    bool after = sel->n_distinct_on && sel->n_order;
    for (int i = 0; i < s->projections.n; i++) {
        const struct rte *r = s->projections.items[i];
        after &= !any_mentions(sel->distinct_on, sel->n_distinct_on, r) &&
                 !order_mentions(sel->order, sel->n_order, r);
    }
    return after;
}

void sql__finish_projections(struct analysis *a, struct scope *s, struct select *sel)
{
    int n = s->projections.n, below = n;
    bool over = sel->n_group || sel->n_sets || sel->n_aggs || sel->n_groupings || sel->having ||
                sel->n_windows || after_distinct(s, sel);
    while (over && below > 0 && !is_below(sel, s->projections.items[below - 1]))
        below--;
    if (!below)
        return;
    struct from **from = ARENA_ARRAY(a->arena, struct from *, sel->n_from + below);
    if (sel->n_from)
        memcpy(from, sel->from, sizeof(*from) * (size_t)sel->n_from);
    for (int i = 0; i < below; i++) {
        from[sel->n_from + i] = ARENA_NEW(a->arena, struct from);
        from[sel->n_from + i]->rte = s->projections.items[i];
    }
    sel->from = from;
    sel->n_from += below;
    s->projections.n -= below;
    memmove(s->projections.items, s->projections.items + below,
            sizeof(void *) * (size_t)s->projections.n);
}

struct outer {
    struct analysis *a;
    const struct list *projections;
    struct list targets; /* of the inner select */
    struct rte *inner;
    int room;
};

/* e as a column of the inner select. */
static struct expr *inner_column(struct outer *o, struct expr *e)
{
    struct rte *r = o->inner;
    int at = 0;
    while (at < o->targets.n && !expr_equal(o->targets.items[at], e))
        at++;
    if (at == o->targets.n) {
        sql__push(o->a->arena, &o->targets, e);
        if (at == o->room) {
            struct rte_column *columns = r->columns;
            o->room = MAX(o->room * 2, 16);
            r->columns = ARENA_ARRAY(o->a->arena, struct rte_column, o->room);
            if (at)
                memcpy(r->columns, columns, sizeof(*columns) * (size_t)at);
        }
        r->columns[r->n_columns++] = (struct rte_column){
            .name = arena_printf(o->a->arena, "c%d", at + 1), .type = e->type, .typmod = e->typmod};
    }
    return sql__column(o->a, r, at, e->position - 1);
}

/* What of e does not hang on the functions is computed below them. */
static struct expr *outside(struct outer *o, struct expr *e)
{
    if (e->kind == EXPR_CONST || e->kind == EXPR_PARAM)
        return e;
    if (!reads_projection(o->projections, e))
        return inner_column(o, e);
    if (e->kind == EXPR_COLUMN)
        return e;
    struct expr *copy = ARENA_NEW(o->a->arena, struct expr);
    *copy = *e;
    copy->args = ARENA_ARRAY(o->a->arena, struct expr *, e->n_args + 1);
    for (int i = 0; i < e->n_args; i++)
        copy->args[i] = outside(o, e->args[i]);
    return copy;
}

static void move_order(struct outer *o, const struct select *sel, struct select *to)
{
    to->n_order = sel->n_order;
    to->order = ARENA_ARRAY(o->a->arena, struct order_item, MAX(sel->n_order, 1));
    for (int i = 0; i < sel->n_order; i++) {
        to->order[i] = sel->order[i];
        struct expr **e = &to->order[i].expr;
        *e = sel->order[i].target < 0 ? outside(o, *e) : to->targets[sel->order[i].target].expr;
        to->order[i].never_null = false;
    }
}

/* What is done with the rows at the end moves; of DISTINCT ON only what is not done below. */
static void move_tail(struct outer *o, struct select *sel, struct select *to, bool after)
{
    move_order(o, sel, to);
    to->distinct = sel->distinct;
    to->limit = sel->limit;
    to->offset = sel->offset;
    to->with_ties = sel->with_ties;
    to->limit_varies = sel->limit_varies;
    for (int i = 0; i < sel->n_order; i++)
        sel->order[i].target = -1;
    if (!after) {
        to->n_distinct_on = sel->n_distinct_on;
        to->distinct_on = ARENA_ARRAY(o->a->arena, struct expr *, MAX(sel->n_distinct_on, 1));
        for (int i = 0; i < sel->n_distinct_on; i++)
            to->distinct_on[i] = outside(o, sel->distinct_on[i]);
        sel->n_distinct_on = sel->n_order = 0;
    }
    sel->distinct = sel->with_ties = sel->limit_varies = false;
    sel->limit = sel->offset = NULL;
}

static void outer_from(struct outer *o, struct select *to)
{
    to->n_from = o->projections->n + 1;
    to->from = ARENA_ARRAY(o->a->arena, struct from *, to->n_from);
    for (int i = 0; i < to->n_from; i++) {
        struct rte *r = i ? o->projections->items[i - 1] : o->inner;
        for (int k = 0; k < r->n_args && i; k++)
            for (int arg = 0; arg < r->args[k]->n_args; arg++)
                r->args[k]->args[arg] = outside(o, r->args[k]->args[arg]);
        r->owner = to;
        r->lateral = i > 0;
        to->from[i] = ARENA_NEW(o->a->arena, struct from);
        to->from[i]->rte = r;
    }
}

struct select *sql__project_over(struct analysis *a, struct scope *s, struct select *sel)
{
    if (!s->projections.n)
        return sel;
    int location = ((struct rte *)s->projections.items[0])->position - 1;
    struct outer o = {.a = a, .projections = &s->projections};
    struct select *to = sql__new_select(a, SELECT_PLAIN, sel->parent);
    bool after = after_distinct(s, sel);
    to->correlated = sel->correlated;
    to->n_ctes = sel->n_ctes;
    to->ctes = sel->ctes;
    sel->n_ctes = 0;
    sel->parent = to;
    o.inner = sql__new_rte(a, RTE_SUBQUERY, "groups", location);
    o.inner->select = sel;
    to->n_targets = sel->n_targets;
    to->targets = ARENA_ARRAY(a->arena, struct target, MAX(sel->n_targets, 1));
    for (int i = 0; i < sel->n_targets; i++) {
        to->targets[i] = sel->targets[i];
        to->targets[i].expr = outside(&o, sel->targets[i].expr);
    }
    move_tail(&o, sel, to, after);
    outer_from(&o, to);
    sel->n_targets = o.targets.n;
    sel->targets = ARENA_ARRAY(a->arena, struct target, MAX(o.targets.n, 1));
    for (int i = 0; i < o.targets.n; i++)
        sel->targets[i] =
            (struct target){.expr = o.targets.items[i], .name = o.inner->columns[i].name};
    return to;
}
