/*
 * Walking, comparing and classifying analysed expressions. No parse nodes here: what plan/ and
 * exec/ call runs long after libpg_query's memory is gone.
 */
#include "sql/sql.h"

typedef bool visit_func(void *ctx, const struct expr *e);

static void walk_window(const struct window *w, bool selects, visit_func *visit, void *ctx)
{
    for (int i = 0; i < w->n_partition; i++)
        expr_walk(w->partition[i], selects, visit, ctx);
    for (int i = 0; i < w->n_order; i++)
        expr_walk(w->order[i].expr, selects, visit, ctx);
    if (w->frame_start)
        expr_walk(w->frame_start, selects, visit, ctx);
    if (w->frame_end)
        expr_walk(w->frame_end, selects, visit, ctx);
}

static bool is_call(const struct expr *e)
{
    return e->kind == EXPR_FUNC || e->kind == EXPR_AGG || e->kind == EXPR_WINDOW;
}

void expr_walk(const struct expr *e, bool selects, visit_func *visit, void *ctx)
{
    if (!e || !visit(ctx, e))
        return;
    for (int i = 0; i < e->n_args; i++)
        expr_walk(e->args[i], selects, visit, ctx);
    if (is_call(e)) {
        if (e->call.filter)
            expr_walk(e->call.filter, selects, visit, ctx);
        for (int i = 0; i < e->call.n_order; i++)
            expr_walk(e->call.order[i].expr, selects, visit, ctx);
        if (e->kind == EXPR_WINDOW && e->call.window)
            walk_window(e->call.window, selects, visit, ctx);
    }
    if (e->kind == EXPR_SUBQUERY && selects)
        select_walk(e->sub.select, true, visit, ctx);
}

static void walk_from(const struct from *f, bool selects, visit_func *visit, void *ctx)
{
    if (!f->rte) {
        walk_from(f->left, selects, visit, ctx);
        walk_from(f->right, selects, visit, ctx);
        expr_walk(f->on, selects, visit, ctx);
        return;
    }
    for (int i = 0; i < f->rte->n_args; i++)
        expr_walk(f->rte->args[i], selects, visit, ctx);
    if (f->rte->select && selects)
        select_walk(f->rte->select, true, visit, ctx);
}

static void walk_assignments(const struct assignment *set, int n, bool selects, visit_func *visit,
                             void *ctx)
{
    for (int i = 0; i < n; i++)
        expr_walk(set[i].value, selects, visit, ctx);
}

void write_walk(const struct write *w, bool selects, visit_func *visit, void *ctx)
{
    if (w->select)
        select_walk(w->select, selects, visit, ctx);
    walk_assignments(w->set, w->n_set, selects, visit, ctx);
    if (w->conflict) {
        walk_assignments(w->conflict->set, w->conflict->n_set, selects, visit, ctx);
        expr_walk(w->conflict->where, selects, visit, ctx);
    }
    for (int i = 0; i < w->n_parts; i++)
        write_walk(w->parts[i], selects, visit, ctx);
    for (int i = 0; i < w->n_returning; i++)
        expr_walk(w->returning[i].expr, selects, visit, ctx);
}

void select_walk(const struct select *s, bool selects, visit_func *visit, void *ctx)
{
    for (int i = 0; i < s->n_ctes && selects; i++) {
        if (s->ctes[i]->write)
            write_walk(s->ctes[i]->write, true, visit, ctx);
        else
            select_walk(s->ctes[i]->select, true, visit, ctx);
    }
    if (s->kind == SELECT_SETOP) {
        select_walk(s->left, selects, visit, ctx);
        select_walk(s->right, selects, visit, ctx);
    }
    for (int i = 0; i < s->n_from; i++)
        walk_from(s->from[i], selects, visit, ctx);
    for (int i = 0; i < s->n_targets && s->kind == SELECT_PLAIN; i++)
        expr_walk(s->targets[i].expr, selects, visit, ctx);
    for (int r = 0; r < s->n_rows; r++) {
        for (int c = 0; c < s->n_targets; c++)
            expr_walk(s->rows[r][c], selects, visit, ctx);
    }
    expr_walk(s->where, selects, visit, ctx);
    for (int i = 0; i < s->n_group; i++)
        expr_walk(s->group[i], selects, visit, ctx);
    expr_walk(s->having, selects, visit, ctx);
    for (int i = 0; i < s->n_distinct_on; i++)
        expr_walk(s->distinct_on[i], selects, visit, ctx);
    for (int i = 0; i < s->n_order && s->kind == SELECT_PLAIN; i++)
        expr_walk(s->order[i].expr, selects, visit, ctx);
    expr_walk(s->limit, selects, visit, ctx);
    expr_walk(s->offset, selects, visit, ctx);
}

struct use {
    const struct expr *agg;
    bool found;
};

static bool find_use(void *ctx, const struct expr *e)
{
    struct use *u = ctx;
    u->found |= expr_equal(e, u->agg);
    return !u->found;
}

int select_used_aggs(const struct select *s, struct expr **ret)
{
    int n = 0;
    for (int i = 0; i < s->n_aggs; i++) {
        struct use u = {.agg = s->aggs[i]};
        select_walk(s, true, find_use, &u);
        if (u.found)
            ret[n++] = s->aggs[i];
    }
    return n;
}

int sql_set_width(const struct expr *e)
{
    return e->kind == EXPR_FUNC && e->call.func->set ? e->call.func->set->n_columns : 1;
}

/* ---- equality
 * --------------------------------------------------------------------------------------------- */

static bool value_equal(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case VALUE_NULL:
        return true;
    case VALUE_INT:
        return a->i == b->i;
    case VALUE_REAL:
        return memcmp(&a->r, &b->r, sizeof(a->r)) == 0;
    default:
        return a->s.n == b->s.n && memcmp(a->s.p, b->s.p, a->s.n) == 0;
    }
}

static bool order_equal(const struct order_item *x, const struct order_item *y, int n)
{
    for (int i = 0; i < n; i++) {
        if (x[i].descending != y[i].descending || x[i].nulls_first != y[i].nulls_first ||
            !expr_equal(x[i].expr, y[i].expr))
            return false;
    }
    return true;
}

static bool window_equal(const struct window *a, const struct window *b)
{
    if (a == b)
        return true;
    if (a->n_partition != b->n_partition || a->n_order != b->n_order ||
        strcmp(a->frame, b->frame) != 0 || a->over || b->over || a->frame_start || a->frame_end ||
        b->frame_start || b->frame_end)
        return false;
    for (int i = 0; i < a->n_partition; i++) {
        if (!expr_equal(a->partition[i], b->partition[i]))
            return false;
    }
    return order_equal(a->order, b->order, a->n_order);
}

static bool detail_equal(const struct expr *a, const struct expr *b)
{
    switch (a->kind) {
    case EXPR_CONST:
        return value_equal(&a->value, &b->value);
    case EXPR_PARAM:
        return a->param == b->param;
    case EXPR_COLUMN:
        return a->col.rte == b->col.rte && a->col.column == b->col.column;
    case EXPR_FUNC:
        return a->call.func == b->call.func && !a->call.func->volatile_;
    case EXPR_AGG:
    case EXPR_WINDOW:
        if (a->call.func != b->call.func || a->call.distinct != b->call.distinct ||
            !a->call.filter != !b->call.filter || a->call.n_order != b->call.n_order ||
            !order_equal(a->call.order, b->call.order, a->call.n_order))
            return false;
        if (a->call.filter && !expr_equal(a->call.filter, b->call.filter))
            return false;
        return a->kind == EXPR_AGG || window_equal(a->call.window, b->call.window);
    case EXPR_ANY:
        return a->call.func == b->call.func && a->call.all == b->call.all;
    case EXPR_IS:
        return a->test == b->test;
    case EXPR_ROW_COMPARE:
        return strcmp(a->row.op, b->row.op) == 0;
    case EXPR_SUBQUERY:
        return a->sub.select == b->sub.select && a->sub.kind == b->sub.kind;
    default:
        return true;
    }
}

bool expr_equal(const struct expr *a, const struct expr *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->type != b->type || a->n_args != b->n_args || !detail_equal(a, b))
        return false;
    for (int i = 0; i < a->n_args; i++) {
        if (!expr_equal(a->args[i], b->args[i]))
            return false;
    }
    return true;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h ^= v + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
    return h * 0xff51afd7ed558ccdu;
}

uint64_t expr_hash(const struct expr *e)
{
    uint64_t h = mix((uint64_t)e->kind, e->type);
    switch (e->kind) {
    case EXPR_CONST:
        h = mix(h, value_hash(&e->value));
        break;
    case EXPR_PARAM:
        h = mix(h, (uint64_t)e->param);
        break;
    case EXPR_COLUMN:
        h = mix(mix(h, (uint64_t)e->col.rte->id), (uint64_t)e->col.column);
        break;
    case EXPR_FUNC:
    case EXPR_AGG:
    case EXPR_WINDOW:
        h = mix(h, (uint64_t)(uintptr_t)e->call.func);
        break;
    default:
        break;
    }
    for (int i = 0; i < e->n_args; i++)
        h = mix(h, expr_hash(e->args[i]));
    return h;
}

/* ---- what an expression is like
 * -------------------------------------------------------------------------------- */

static bool any_arg_nullable(const struct expr *e)
{
    for (int i = 0; i < e->n_args; i++) {
        if (expr_nullable(e->args[i]))
            return true;
    }
    return false;
}

/* Operators and casts of non-NULL values give no NULL; a function may (nullif-like ones). */
bool expr_nullable(const struct expr *e)
{
    switch (e->kind) {
    case EXPR_CONST:
        return e->value.kind == VALUE_NULL;
    case EXPR_COLUMN: {
        const struct rte *r = e->col.rte;
        return r->nullable || r->kind == RTE_EXCLUDED ||
               (e->col.column >= 0 && !r->columns[e->col.column].not_null);
    }
    case EXPR_FUNC:
        return e->call.func->kind != FUNC_OPERATOR || !e->call.func->strict || any_arg_nullable(e);
    case EXPR_AGG:
        return strcmp(e->call.func->name, "count") != 0;
    case EXPR_WINDOW:
        return strcmp(e->call.func->name, "count") != 0 &&
               strcmp(e->call.func->name, "row_number") != 0 &&
               strcmp(e->call.func->name, "rank") != 0 &&
               strcmp(e->call.func->name, "dense_rank") != 0;
    case EXPR_CAST:
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_NOT:
    case EXPR_IN:
    case EXPR_ROW_COMPARE:
        return any_arg_nullable(e);
    case EXPR_IS:
    case EXPR_DISTINCT:
    case EXPR_GROUPING:
        return false;
    case EXPR_CASE:
        for (int i = 0; i < e->n_args; i++) {
            if ((i % 2 == 1 || i == e->n_args - 1) && expr_nullable(e->args[i]))
                return true;
        }
        return false;
    case EXPR_COALESCE:
    case EXPR_GREATEST:
    case EXPR_LEAST:
        for (int i = 0; i < e->n_args; i++) {
            if (!expr_nullable(e->args[i]))
                return false;
        }
        return true;
    case EXPR_SUBQUERY:
        return e->sub.kind != SUBQUERY_EXISTS && e->sub.kind != SUBQUERY_ARRAY;
    case EXPR_PARAM:
    case EXPR_ANY:
    case EXPR_NULLIF:
        return true;
    }
    return true;
}

static bool find_subquery(void *ctx, const struct expr *e)
{
    bool *found = ctx;
    *found |= e->kind == EXPR_SUBQUERY;
    return !*found;
}

bool expr_has_subquery(const struct expr *e)
{
    bool found = false;
    expr_walk(e, false, find_subquery, &found);
    return found;
}

int expr_height(const struct expr *e)
{
    int highest = 0;
    for (int i = 0; i < e->n_args; i++) {
        int of_arg = expr_height(e->args[i]);
        highest = MAX(highest, of_arg);
    }
    return highest + 1;
}

static bool find_volatile(void *ctx, const struct expr *e)
{
    bool *found = ctx;
    *found |= e->kind == EXPR_FUNC && e->call.func->volatile_;
    return !*found;
}

bool expr_is_volatile(const struct expr *e)
{
    bool found = false;
    expr_walk(e, true, find_volatile, &found);
    return found;
}

static bool find_variable(void *ctx, const struct expr *e)
{
    bool *found = ctx;
    *found |= e->kind == EXPR_COLUMN || e->kind == EXPR_AGG || e->kind == EXPR_WINDOW ||
              e->kind == EXPR_SUBQUERY || (e->kind == EXPR_FUNC && e->call.func->volatile_);
    return !*found;
}

bool expr_is_constant(const struct expr *e)
{
    bool found = false;
    expr_walk(e, false, find_variable, &found);
    return !found;
}

struct mention {
    const struct rte *rte;
    bool found;
};

static bool find_mention(void *ctx, const struct expr *e)
{
    struct mention *m = ctx;
    m->found |= e->kind == EXPR_COLUMN && e->col.rte == m->rte;
    return !m->found;
}

bool expr_mentions(const struct expr *e, const struct rte *r)
{
    struct mention m = {.rte = r};
    expr_walk(e, true, find_mention, &m);
    return m.found;
}

struct single {
    const struct select *owner;
    struct rte *rte;
    int n;
};

static bool find_single(void *ctx, const struct expr *e)
{
    struct single *s = ctx;
    if (e->kind == EXPR_COLUMN && e->col.rte->owner == s->owner && e->col.rte != s->rte) {
        s->rte = e->col.rte;
        s->n++;
    }
    return s->n < 2;
}

struct rte *expr_single_rte(const struct expr *e, const struct select *s, int *ret_n)
{
    struct single found = {.owner = s};
    expr_walk(e, true, find_single, &found);
    *ret_n = MIN(found.n, 2);
    return found.n == 1 ? found.rte : NULL;
}

static bool is_int(uint32_t type)
{
    return type == OID_INT2 || type == OID_INT4 || type == OID_INT8;
}

static int int_width(uint32_t type)
{
    return type == OID_INT2 ? 2 : type == OID_INT4 ? 4 : type == OID_INT8 ? 8 : 0;
}

/* Widening an integer, or calling a varchar text, changes no bit of the value; but a text that is
 * called a char(n) is equal to others. */
static const struct expr *uncast(const struct expr *e)
{
    while (e->kind == EXPR_CAST && e->type != OID_BPCHAR &&
           (!e->call.func ||
            (is_int(e->args[0]->type) && int_width(e->type) > int_width(e->args[0]->type))))
        e = e->args[0];
    return e;
}

bool expr_hash_alike(const struct expr *x, const struct expr *y)
{
    if (x->type != y->type && !(is_int(x->type) && is_int(y->type)))
        return false;
    /* equal ones may differ in their bytes, and so in hash, but for those that value_hash() knows
     */
    return !type_by_oid(x->type)->collation || x->type == OID_NUMERIC || x->type == OID_BPCHAR;
}

bool expr_is_equality(const struct expr *e, const struct expr **ret_left,
                      const struct expr **ret_right, bool *ret_nulls)
{
    bool nulls = e->kind == EXPR_NOT && e->args[0]->kind == EXPR_DISTINCT;
    if (nulls)
        e = e->args[0];
    else if (e->kind != EXPR_FUNC || e->n_args != 2 || e->call.func->kind != FUNC_OPERATOR ||
             strcmp(e->call.func->name, "=") != 0)
        return false;
    if (!expr_hash_alike(e->args[0], e->args[1]))
        return false;
    *ret_left = uncast(e->args[0]);
    *ret_right = uncast(e->args[1]);
    *ret_nulls = nulls;
    return true;
}

static int count_conjuncts(const struct expr *e)
{
    if (e->kind != EXPR_AND)
        return 1;
    int n = 0;
    for (int i = 0; i < e->n_args; i++)
        n += count_conjuncts(e->args[i]);
    return n;
}

static void fill_conjuncts(struct expr *e, struct expr ***at)
{
    if (e->kind != EXPR_AND) {
        *(*at)++ = e;
        return;
    }
    for (int i = 0; i < e->n_args; i++)
        fill_conjuncts(e->args[i], at);
}

int expr_conjuncts(struct expr *e, struct arena *arena, struct expr ***ret_list)
{
    *ret_list = NULL;
    if (!e)
        return 0;
    int n = count_conjuncts(e);
    *ret_list = ARENA_ARRAY(arena, struct expr *, n);
    struct expr **at = *ret_list;
    fill_conjuncts(e, &at);
    return n;
}

static bool flat_from(const struct from *f)
{
    if (f->rte)
        return f->rte->kind == RTE_TABLE && !f->rte->rowid;
    return (f->join == JOIN_INNER || f->join == JOIN_LEFT) && flat_from(f->left) &&
           flat_from(f->right);
}

bool select_is_flat(const struct select *s)
{
    if (s->kind != SELECT_PLAIN || s->n_from == 0 || s->n_ctes || s->n_windows ||
        s->n_distinct_on || s->n_sets || s->with_ties || s->limit_varies || s->for_update ||
        s->correlated)
        return false;
    for (int i = 0; i < s->n_from; i++) {
        if (!flat_from(s->from[i]))
            return false;
    }
    bool found = false;
    select_walk(s, false, find_subquery, &found);
    return !found;
}
