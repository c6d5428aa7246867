/*
 * The shape of a batch plan: a left-deep chain of hash joins over scans, then perhaps groups.
 *
 * FROM is flattened into elements. An inner join's ON joins WHERE in one pool of conjuncts, since
 * both filter rows that have come through; a left join stays an element that carries its own ON.
 * The chain starts with the largest element that is not left-joined (its rows stream through; the
 * others become hash tables), and takes next, again and again:
 *   1. of those which an equality connects to what is placed, the one that leaves the fewest rows
 *      (order.c);
 *   2. else a left-joined one, once all that its ON mentions is placed;
 *   3. else the first inner one (a cross join).
 * That is sound because inner joins commute with each other and with left joins whose nullable side
 * they do not mention, and whose nullable side they do mention comes before the conjunct that
 * mentions it.
 *
 * The keys of a join are columns, or expressions over one element's columns, which its scan
 * computes.
 *
 * Subqueries in FROM are batch plans of their own, whose rows are an element's. Those in conditions
 * become elements, too (subquery.c).
 *
 * What is not covered gives NULL, and the statement goes another way: other subqueries,
 * DISTINCT, aggregates over DISTINCT values, a join as the right side of a left join, grouping by
 * types with a collation of their own but char(n), ctid.
 */
#include "batch_int.h"

/* ---- what the evaluator computes ------------------------------------------------------------ */

static bool covered(const struct expr *e)
{
    switch (e->kind) {
    case EXPR_CONST:
    case EXPR_PARAM:
    case EXPR_COLUMN:
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_NOT:
    case EXPR_IS:
    case EXPR_CASE:
    case EXPR_COALESCE:
        return true;
    case EXPR_ROW_COMPARE:
        for (int i = 0; i < e->row.n; i++)
            if (!type_by_oid(e->args[i]->type))
                return false;
        return true;
    case EXPR_GREATEST:
    case EXPR_LEAST:
        return type_by_oid(e->type) != NULL;
    case EXPR_FUNC:
        return e->call.func->call && !e->call.func->volatile_;
    case EXPR_CAST:
        return !e->call.func || e->call.func->call;
    case EXPR_DISTINCT:
    case EXPR_NULLIF:
    case EXPR_IN:
        return e->call.func && e->call.func->call;
    case EXPR_AGG:
        return e->call.func->agg && !e->call.distinct && !e->call.n_order;
    default:
        return false;
    }
}

static bool check_covered(void *ctx, const struct expr *e)
{
    if (!covered(e))
        *(bool *)ctx = false;
    return true;
}

bool plan__evaluable(const struct expr *e)
{
    bool ok = true;
    if (e)
        expr_walk(e, true, check_covered, &ok);
    return ok;
}

static bool shape_covered(const struct select *s)
{
    if (s->kind != SELECT_PLAIN || !s->n_from || s->n_windows || s->n_distinct_on || s->n_sets ||
        s->with_ties || s->limit_varies || s->for_update || s->correlated)
        return false;
    for (int i = 0; i < s->n_ctes; i++)
        if (s->ctes[i]->recursive || s->ctes[i]->write)
            return false;
    for (int i = 0; i < s->n_group; i++)
        if (!expr_hash_alike(s->group[i], s->group[i]))
            return false;
    return plan__evaluable(s->limit) && plan__evaluable(s->offset);
}

struct rest {
    const struct shape *h;
    bool ok;
};

/* Subqueries that the plan has are columns by now. */
static bool check_rest(void *ctx, const struct expr *e)
{
    struct rest *r = ctx;
    if (e->kind == EXPR_SUBQUERY) {
        r->ok &= plan_batch_sub(r->h->b, e) != NULL;
        return false;
    }
    r->ok &= covered(e);
    return r->ok;
}

/* All that the evaluator has to compute or to compare. Conjuncts that became elements were checked
 * as plans of their own, but for the outer side of their keys. */
static bool rest_covered(const struct shape *h)
{
    struct rest r = {.h = h, .ok = true};
    struct select s = *h->s;
    s.where = s.limit = s.offset = NULL;
    s.n_ctes = 0;
    select_walk(&s, false, check_rest, &r);
    for (int i = 0; i < h->n_pool; i++)
        if (!h->placed_conjunct[i] || !expr_has_subquery(h->pool[i]))
            expr_walk(h->pool[i], false, check_rest, &r);
    for (int i = 0; i < h->n; i++)
        for (int k = 0; h->element[i].keys && k < h->element[i].keys->n; k++)
            expr_walk(h->element[i].keys->keys[k].outer, false, check_rest, &r);
    for (int i = 0; i < h->n; i++)
        for (int k = 0; k < h->element[i].n_conditions; k++)
            expr_walk(h->element[i].conditions[k], false, check_rest, &r);
    return r.ok;
}

/* SELECT DISTINCT groups by all that it selects. */
static const struct select *grouped_by_targets(struct plan *p, const struct select *s)
{
    if (!s->distinct || s->grouped)
        return s;
    struct select *ret = ARENA_NEW(&p->arena, struct select);
    *ret = *s;
    ret->distinct = false;
    ret->grouped = true;
    ret->n_group = s->n_targets;
    ret->group = ARENA_ARRAY(&p->arena, struct expr *, MAX(s->n_targets, 1));
    for (int i = 0; i < s->n_targets; i++)
        ret->group[i] = s->targets[i].expr;
    return ret;
}

/* ---- FROM ----------------------------------------------------------------------------------- */

static bool add_conjuncts(struct shape *h, struct expr *e)
{
    if (!e)
        return true;
    struct expr **list;
    int n = expr_conjuncts(e, &h->p->arena, &list);
    if (h->n_pool + n > (int)ARRAY_LEN(h->placed_conjunct))
        return false;
    for (int i = 0; i < n; i++)
        h->pool[h->n_pool++] = list[i];
    return true;
}

/* The select whose rows a reference stands for; NULL: it is no subquery. */
static const struct select *derived(const struct rte *r)
{
    if (r->kind == RTE_CTE)
        return r->cte->recursive || r->cte->write || r->cte->n_refs > 1 ? NULL : r->cte->select;
    return r->kind == RTE_SUBQUERY && !r->lateral && !r->single ? r->select : NULL;
}

static bool add_element(struct shape *h, struct rte *r, bool left, struct expr *on)
{
    const struct select *s = derived(r);
    if (h->n == MAX_SCANS || r->rowid || (!s && (r->kind != RTE_TABLE || r->table->id == 0)))
        return false;
    struct element *e = &h->element[h->n++];
    *e = (struct element){.rte = r, .kind = left ? PLAN_JOIN_LEFT : PLAN_JOIN_INNER, .on = on};
    if (s)
        e->sub = plan__batch(h->p, h->pc, s);
    return !s || e->sub;
}

static bool flatten(struct shape *h, const struct from *f, bool left, struct expr *on)
{
    if (f->rte)
        return add_element(h, f->rte, left, on);
    if (left) /* a join as the nullable side */
        return false;
    if (f->join == JOIN_INNER)
        return flatten(h, f->left, false, NULL) && flatten(h, f->right, false, NULL) &&
               add_conjuncts(h, f->on);
    if (f->join == JOIN_LEFT)
        return flatten(h, f->left, false, NULL) && flatten(h, f->right, true, f->on);
    return false;
}

int plan__element_of(const struct shape *h, const struct rte *r)
{
    for (int i = 0; i < h->n; i++)
        if (h->element[i].rte == r)
            return i;
    return -1;
}

struct owner {
    const struct shape *h;
    int element; /* -1: none yet; -2: several */
};

static bool find_owner(void *ctx, const struct expr *e)
{
    struct owner *o = ctx;
    if (e->kind != EXPR_COLUMN)
        return true;
    int at = plan__element_of(o->h, e->col.rte);
    o->element = (o->element == -1 || o->element == at) && at >= 0 ? at : -2;
    return true;
}

/* Is it NULL where the columns are, as those of a left join without a match? */
static bool keeps_null(const struct expr *e)
{
    if (e->kind == EXPR_COLUMN)
        return true;
    if (e->kind != EXPR_CAST && e->kind != EXPR_FUNC)
        return false;
    if (e->call.func && !e->call.func->strict)
        return false;
    for (int i = 0; i < e->n_args; i++)
        if (keeps_null(e->args[i]))
            return true;
    return false;
}

int plan__owner_of(const struct shape *h, const struct expr *e)
{
    struct owner o = {.h = h, .element = -1};
    expr_walk(e, true, find_owner, &o);
    if (e->kind == EXPR_COLUMN || o.element < 0)
        return o.element;
    const struct element *of = &h->element[o.element];
    return !of->sub && plan__runs_alone(e) && (of->kind == PLAN_JOIN_INNER || keeps_null(e))
               ? o.element
               : -1;
}

bool plan__connects(const struct shape *h, const struct expr *e, const struct rte *inner,
                    struct join_key *ret)
{
    struct join_key k;
    if (!expr_is_equality(e, &k.outer, &k.inner, &k.nulls))
        return false;
    for (int turn = 0; turn < 2; turn++) {
        int outer = plan__owner_of(h, k.outer), in = plan__owner_of(h, k.inner);
        if (outer >= 0 && in >= 0 && h->element[in].rte == inner && h->element[outer].placed) {
            *ret = k;
            return true;
        }
        const struct expr *swap = k.outer;
        k.outer = k.inner;
        k.inner = swap;
    }
    return false;
}

/* ---- columns -------------------------------------------------------------------------------- */

int plan_batch_slot(const struct plan_batch *b, const struct expr *column)
{
    int base = b->slot_base[column->col.rte->id];
    return base < 0 ? -1 : b->slots[base + column->col.column];
}

static bool need_column(void *ctx, const struct expr *e)
{
    struct plan_batch *b = ctx;
    if (e->kind == EXPR_COLUMN && b->slot_base[e->col.rte->id] >= 0)
        b->slots[b->slot_base[e->col.rte->id] + e->col.column] = 0;
    return true;
}

static void need(struct plan_batch *b, const struct expr *e)
{
    if (e)
        expr_walk(e, false, need_column, b);
}

const struct plan_sub *plan_batch_sub(const struct plan_batch *b, const struct expr *e)
{
    for (int i = 0; i < b->n_subs; i++)
        if (b->subs[i].e == e)
            return &b->subs[i];
    return NULL;
}

/* Room for every column that the statement could name. */
static void reserve_slots(struct shape *h)
{
    struct plan_batch *b = h->b;
    const struct query *q = h->p->query;
    b->slot_base = ARENA_ARRAY(&h->p->arena, int, q->n_rtes + 1);
    int n = 0;
    for (int i = 0; i < q->n_rtes; i++) {
        b->slot_base[q->rtes[i]->id] = n;
        n += q->rtes[i]->n_columns;
    }
    b->slots = ARENA_ARRAY(&h->p->arena, int, MAX(n, 1));
    for (int i = 0; i < n; i++)
        b->slots[i] = -1;
    b->slot = ARENA_ARRAY(&h->p->arena, struct plan_slot, MAX(n, 1));
}

/* A key that is no column: its scan computes it. */
static void need_key(struct shape *h, const struct expr *e)
{
    if (e->kind == EXPR_COLUMN) {
        need(h->b, e);
        return;
    }
    struct element *of = &h->element[plan__owner_of(h, e)];
    for (int i = 0; i < of->n_computed; i++)
        if (expr_equal(of->computed[i], e))
            return;
    struct expr **more = ARENA_ARRAY(&h->p->arena, struct expr *, of->n_computed + 1);
    if (of->n_computed)
        memcpy(more, of->computed, sizeof(*more) * (size_t)of->n_computed);
    more[of->n_computed++] = (struct expr *)(uintptr_t)e;
    of->computed = more;
}

static void set_slot(struct plan_batch *b, const struct rte *r, int column, int scan, int at)
{
    b->slots[b->slot_base[r->id] + column] = b->n_slots;
    b->slot[b->n_slots++] = (struct plan_slot){.scan = scan, .column = at};
}

/* The columns of a scan that is a plan are its targets, in their order. */
static void number_targets(struct shape *h, int scan, struct element *of)
{
    const struct select *s = of->sub->select;
    struct plan_scan *to = &h->b->scans[scan];
    of->scan = scan;
    *to = (struct plan_scan){.rte = of->rte, .sub = of->sub, .n_columns = s->n_targets};
    for (int i = 0; i < s->n_targets; i++) {
        const struct expr *e = s->targets[i].expr;
        if (of->rte)
            set_slot(h->b, of->rte, i, scan, i);
        else if (e->kind == EXPR_COLUMN && plan_batch_slot(h->b, e) >= 0)
            set_slot(h->b, e->col.rte, e->col.column, scan, i);
    }
    for (int i = 0; i < h->b->n_subs; i++)
        if (of->value && h->b->subs[i].e == of->value)
            h->b->subs[i].slot = (struct plan_slot){scan, s->n_targets - 1};
}

/* Gives each needed column of the scan a place in the scan and a slot. */
static void number_columns(struct shape *h, int scan, struct element *of)
{
    struct plan_batch *b = h->b;
    const struct rte *r = of->rte;
    if (of->sub) {
        number_targets(h, scan, of);
        return;
    }
    int *columns = ARENA_ARRAY(&h->p->arena, int, r->n_columns + of->n_computed + 1);
    int n = 0;
    for (int c = 0; c < r->n_columns; c++) {
        if (b->slots[b->slot_base[r->id] + c] < 0)
            continue;
        set_slot(b, r, c, scan, n);
        columns[n++] = c;
    }
    of->scan = scan;
    of->first_computed = n;
    for (int i = 0; i < of->n_computed; i++)
        columns[n++] = -1 - i;
    plan__scan(h->p, r, n, columns, of->computed, r->filters, r->n_filters, &b->scans[scan]);
}

/* ---- filters -------------------------------------------------------------------------------- */

static bool is_filter_of(const struct rte *r, const struct expr *e)
{
    for (int i = 0; i < r->n_filters; i++)
        if (r->filters[i] == e || expr_equal(r->filters[i], e))
            return true;
    return false;
}

/* Conjuncts of the pool that a scan applies already need not run again, unless the scan is
 * left-joined: then they also have to drop the rows that the join made up. */
static void drop_pushed(struct shape *h)
{
    for (int i = 0; i < h->n_pool; i++)
        for (int k = 0; k < h->n; k++)
            if (h->element[k].kind == PLAN_JOIN_INNER &&
                is_filter_of(h->element[k].rte, h->pool[i]))
                h->placed_conjunct[i] = true;
}

/* ---- the chain ------------------------------------------------------------------------------ */

static uint32_t key_type(uint32_t type)
{
    return type == OID_INT2 || type == OID_INT4 ? OID_INT8 : type;
}

static void make_join(struct shape *h, const struct element *of, const struct key_list *keys,
                      struct plan_join *j)
{
    struct arena *a = &h->p->arena;
    j->n_keys = keys->n;
    j->outer = ARENA_ARRAY(a, struct plan_slot, MAX(keys->n, 1));
    j->inner = ARENA_ARRAY(a, int, MAX(keys->n, 1));
    j->key_types = ARENA_ARRAY(a, uint32_t, MAX(keys->n, 1));
    j->key_nulls = ARENA_ARRAY(a, bool, MAX(keys->n, 1));
    for (int k = 0; k < keys->n; k++) {
        need_key(h, keys->keys[k].outer);
        if (of->rte)
            need_key(h, keys->keys[k].inner);
        j->key_types[k] = key_type(keys->keys[k].outer->type);
        j->key_nulls[k] = keys->keys[k].nulls;
        j->nulls |= keys->keys[k].nulls;
    }
}

/* The keys of a left join and what else its ON asks for; what the scan filters by itself is left
 * out. */
static bool left_join(struct shape *h, const struct element *e, struct plan_join *j,
                      struct key_list *keys)
{
    struct expr **list = NULL;
    int n = expr_conjuncts(e->on, &h->p->arena, &list);
    if (n > (int)ARRAY_LEN(keys->keys))
        return false;
    j->on = ARENA_ARRAY(&h->p->arena, struct expr *, MAX(n, 1));
    for (int i = 0; i < n; i++) {
        if (is_filter_of(e->rte, list[i]))
            continue;
        if (plan__connects(h, list[i], e->rte, &keys->keys[keys->n])) {
            keys->n++;
        } else {
            j->on[j->n_on++] = list[i];
            need(h->b, list[i]);
        }
    }
    return true;
}

static void inner_join(struct shape *h, const struct element *e, struct key_list *keys)
{
    for (int i = 0; i < h->n_pool; i++)
        if (!h->placed_conjunct[i] && plan__connects(h, h->pool[i], e->rte, &keys->keys[keys->n])) {
            h->placed_conjunct[i] = true;
            keys->n++;
        }
}

static bool join_next(struct shape *h, struct element *e, struct plan_join *j,
                      struct key_list **keys)
{
    j->kind = e->kind;
    *keys = e->keys ? e->keys : ARENA_NEW(&h->p->arena, struct key_list);
    if (e->rte && e->kind == PLAN_JOIN_LEFT) {
        if (!left_join(h, e, j, *keys))
            return false;
    } else if (e->rte) {
        inner_join(h, e, *keys);
    }
    if (!e->rte) {
        j->on = e->conditions;
        j->n_on = e->n_conditions;
        for (int i = 0; i < j->n_on; i++)
            need(h->b, j->on[i]);
    }
    make_join(h, e, *keys, j);
    e->placed = true;
    return true;
}

/* Orders the elements; afterwards order[i] is the element of scan i, and keys[i] those of join i
 * - 1. */
static bool chain(struct shape *h, int *order, struct key_list **keys)
{
    struct plan_batch *b = h->b;
    order[0] = plan__first_element(h, &b->rows);
    if (order[0] < 0)
        return false;
    h->element[order[0]].placed = true;
    for (int i = 1; i < h->n; i++) {
        double factor = 1;
        order[i] = plan__next_element(h, &factor);
        if (order[i] < 0)
            return false;
        b->rows *= factor;
        struct plan_join *j = &b->joins[b->n_joins++];
        j->scan = i;
        if (!join_next(h, &h->element[order[i]], j, &keys[i]))
            return false;
    }
    return true;
}

static struct plan_slot target_slot(const struct element *of, const struct expr *e)
{
    const struct select *s = of->sub->select;
    int i = 0;
    while (!expr_equal(s->targets[i].expr, e))
        i++;
    return (struct plan_slot){.scan = of->scan, .column = i};
}

/* Where a key lies: in a column of a scan, or behind the columns. */
static struct plan_slot key_slot(const struct shape *h, const struct expr *e)
{
    if (e->kind == EXPR_COLUMN)
        return h->b->slot[plan_batch_slot(h->b, e)];
    const struct element *of = &h->element[plan__owner_of(h, e)];
    int i = 0;
    while (!expr_equal(of->computed[i], e))
        i++;
    return (struct plan_slot){.scan = of->scan, .column = of->first_computed + i};
}

/* Columns are numbered once it is known what all the expressions need. */
static void bind_keys(struct shape *h, const int *order, struct key_list **keys)
{
    struct plan_batch *b = h->b;
    for (int i = 0; i < b->n_joins; i++) {
        const struct element *of = &h->element[order[i + 1]];
        for (int k = 0; k < b->joins[i].n_keys; k++) {
            const struct join_key *key = &keys[i + 1]->keys[k];
            struct plan_slot inner =
                of->rte ? key_slot(h, key->inner) : target_slot(of, key->inner);
            b->joins[i].outer[k] = key_slot(h, key->outer);
            b->joins[i].inner[k] = inner.column;
        }
    }
}

/* ---- groups --------------------------------------------------------------------------------- */

static bool in_group(const struct plan_batch *b, const struct expr *e)
{
    for (int i = 0; i < b->n_group; i++)
        if (expr_equal(b->group[i], e))
            return true;
    return false;
}

/* A bare column that GROUP BY does not list depends on a primary key that it does list, so that
 * grouping by it, too, changes nothing. */
static bool find_dependent(void *ctx, const struct expr *e)
{
    struct plan_batch *b = ctx;
    if (e->kind == EXPR_AGG || in_group(b, e))
        return false;
    if (e->kind == EXPR_COLUMN)
        b->group[b->n_group++] = (struct expr *)e;
    return true;
}

static void make_groups(struct shape *h)
{
    struct plan_batch *b = h->b;
    const struct select *s = h->s;
    int columns = 0;
    for (int i = 0; i < h->n; i++)
        columns += h->element[i].rte ? h->element[i].rte->n_columns : 0;
    b->grouped = s->grouped;
    b->group = ARENA_ARRAY(&h->p->arena, struct expr *, s->n_group + columns + 1);
    for (int i = 0; i < s->n_group; i++)
        if (!in_group(b, s->group[i]))
            b->group[b->n_group++] = s->group[i];
    b->aggs = ARENA_ARRAY(&h->p->arena, struct expr *, s->n_aggs + 1);
    b->n_aggs = select_used_aggs(s, b->aggs);
    if (!s->grouped)
        return;
    for (int i = 0; i < s->n_targets; i++)
        expr_walk(s->targets[i].expr, false, find_dependent, b);
    if (s->having)
        expr_walk(s->having, false, find_dependent, b);
    for (int i = 0; i < s->n_order; i++)
        expr_walk(s->order[i].expr, false, find_dependent, b);
}

static void need_output(struct shape *h)
{
    struct plan_batch *b = h->b;
    for (int i = 0; i < b->n_group; i++)
        need(b, b->group[i]);
    for (int i = 0; i < b->n_aggs; i++)
        need(b, b->aggs[i]);
    for (int i = 0; i < h->s->n_targets; i++)
        need(b, h->s->targets[i].expr);
    for (int i = 0; i < h->s->n_order; i++)
        need(b, h->s->order[i].expr);
    need(b, h->s->having);
}

static void residual(struct shape *h)
{
    struct plan_batch *b = h->b;
    b->where = ARENA_ARRAY(&h->p->arena, struct expr *, MAX(h->n_pool, 1));
    for (int i = 0; i < h->n_pool; i++) {
        if (h->placed_conjunct[i])
            continue;
        b->where[b->n_where++] = h->pool[i];
        need(b, h->pool[i]);
    }
}

/* Scans of tables, also those of the plans that are scanned. */
static void add_leaves(struct plan_batch *b, const struct plan_batch *of)
{
    for (int i = 0; i < of->n_scans; i++)
        if (!of->scans[i].sub)
            b->leaves[b->n_leaves++] = of->scans[i];
    for (int i = 0; i < of->n_scans; i++)
        if (of->scans[i].sub)
            add_leaves(b, of->scans[i].sub);
    for (int i = 0; i < of->n_subs; i++)
        if (of->subs[i].once)
            add_leaves(b, of->subs[i].once);
}

static struct shape *new_shape(struct plan *p, const struct plan_context *pc,
                               const struct select *s)
{
    struct shape *h = ARENA_NEW(&p->arena, struct shape);
    struct plan_batch *b = ARENA_NEW(&p->arena, struct plan_batch);
    *h = (struct shape){.p = p, .pc = pc, .s = s, .b = b};
    h->pool = ARENA_ARRAY(&p->arena, struct expr *, ARRAY_LEN(h->placed_conjunct));
    b->select = s;
    b->subs = ARENA_ARRAY(&p->arena, struct plan_sub, MAX_SCANS);
    b->leaves = ARENA_ARRAY(&p->arena, struct plan_scan, p->query->n_rtes + 1);
    return h;
}

static bool fill_shape(struct shape *h)
{
    for (int i = 0; i < h->s->n_from; i++)
        if (!flatten(h, h->s->from[i], false, NULL))
            return false;
    if (!add_conjuncts(h, h->s->where))
        return false;
    drop_pushed(h);
    return plan__subqueries(h) && rest_covered(h);
}

struct plan_batch *plan__batch(struct plan *p, const struct plan_context *pc,
                               const struct select *s)
{
    s = grouped_by_targets(p, s);
    if (!shape_covered(s) || s->distinct)
        return NULL;
    struct shape *h = new_shape(p, pc, s);
    struct plan_batch *b = h->b;
    if (!fill_shape(h))
        return NULL;
    b->n_scans = h->n;
    b->scans = ARENA_ARRAY(&p->arena, struct plan_scan, h->n);
    b->joins = ARENA_ARRAY(&p->arena, struct plan_join, h->n);
    reserve_slots(h);
    int order[MAX_SCANS];
    struct key_list *keys[MAX_SCANS] = {0};
    if (!chain(h, order, keys))
        return NULL;
    residual(h);
    make_groups(h);
    need_output(h);
    for (int i = 0; i < h->n; i++)
        number_columns(h, i, &h->element[order[i]]);
    bind_keys(h, order, keys);
    if (b->grouped)
        b->rows = b->n_group ? b->rows / 3 : 1;
    add_leaves(b, b);
    return b;
}
