/*
 * The batch executor: runs a plan_batch.
 *
 *   0. Subqueries that are the same for all rows give their values.
 *   1. Each scan but the first fills a hash table (join.c). A scan may be a plan of its own.
 *   2. The first scan streams through in batches of 1024 rows. A tuple is a row number for each
 * scan, so a join copies numbers, not values.   scan 0 -> join 1 -> .. -> join n -> WHERE ->
 * groups, or output
 *      Where the scan is of many rows and here, a thread of its own fills batches (feed.c) while
 * this one joins and groups.
 *   3. Groups give their rows: HAVING, targets.
 *   4. Output: straight to the client; or, with ORDER BY, kept, sorted and then given. With a LIMIT
 * only the best rows are kept.
 *
 * Invariant: nothing is given to the client before step 2 has ended or the hash tables are
 * complete, whichever may run out of memory. So E_SPILL, raised when the statement's memory does
 * not suffice, always comes before the first row, and the caller can start over with SQLite, which
 * spills.
 */
#include "exec/batch_int.h"

/* A row that waits for being sorted: its order keys, then its targets. */
struct kept {
    struct value *values;
};

struct batch {
    struct run *run;
    const struct plan_batch *plan;
    const struct select *select;
    exec__row_fn row;
    void *ctx;
    struct arena arena; /* what lives as long as the execution */
    struct env env;
    struct rows *sides;      /* by scan: the present batch, then the rows of the joins; borrowed */
    struct hash_join *joins; /* by join */
    uint32_t (*frames)[BATCH_ROWS]; /* (n_joins + 1) x n_scans */
    struct node **where;
    struct groups groups;
    /* output */
    int n_targets, n_order;
    struct node **targets, **order, *having;
    const struct type **order_types;
    struct value *values; /* of one output row: order keys, targets */
    int64_t skip, limit;  /* rows still to leave out; rows still to give, -1: all */
    struct kept *kept;
    size_t n_kept, cap_kept, best; /* best: the most that may be needed; SIZE_MAX: all */
    struct arena kept_arena;
    bool sorted; /* kept[0 .. best) are the best so far, in order */
};

static struct error *spill(void)
{
    return error_new(E_SPILL, "the statement needs more memory than it may have");
}

static struct error *check_memory(const struct batch *b)
{
    size_t bytes = b->groups.bytes + b->kept_arena.used + b->cap_kept * sizeof(*b->kept);
    for (int i = 0; i < b->plan->n_joins; i++)
        bytes += b->joins[i].rows.bytes + b->joins[i].bytes;
    return bytes > b->run->s->memory ? spill() : NULL;
}

/* ---- output --------------------------------------------------------------------------------- */

static int compare_keys(const struct batch *b, const struct value *x, const struct value *y)
{
    for (int i = 0; i < b->n_order; i++) {
        const struct order_item *o = &b->select->order[i];
        bool xn = x[i].kind == VALUE_NULL, yn = y[i].kind == VALUE_NULL;
        if (xn && yn)
            continue;
        if (xn || yn)
            return xn == o->nulls_first ? -1 : 1;
        int c = type_compare(b->order_types[i], &x[i], &y[i]);
        if (c != 0)
            return o->descending ? -c : c;
    }
    return 0;
}

static int compare_kept(const void *x, const void *y, void *ctx)
{
    const struct kept *a = x, *b = y;
    return compare_keys(ctx, a->values, b->values);
}

static struct value copy_value(struct arena *a, const struct value *v)
{
    struct value r = *v;
    if (v->kind == VALUE_TEXT || v->kind == VALUE_BLOB)
        r.s.p = arena_strndup(a, v->s.p ? v->s.p : "", v->s.n);
    return r;
}

static struct value *copy_values(struct arena *a, const struct value *v, int n)
{
    struct value *r = ARENA_ARRAY(a, struct value, n);
    for (int i = 0; i < n; i++)
        r[i] = copy_value(a, &v[i]);
    return r;
}

/* Sorts, and forgets all but the best. */
static void cut(struct batch *b)
{
    qsort_r(b->kept, b->n_kept, sizeof(*b->kept), compare_kept, b);
    b->sorted = true;
    if (b->n_kept <= b->best)
        return;
    b->n_kept = b->best;
    struct arena fresh = {0};
    for (size_t i = 0; i < b->n_kept; i++)
        b->kept[i].values = copy_values(&fresh, b->kept[i].values, b->n_order + b->n_targets);
    arena_done(&b->kept_arena);
    b->kept_arena = fresh;
}

static struct error *keep(struct batch *b)
{
    if (b->best == 0)
        return NULL;
    if (b->sorted && b->n_kept >= b->best &&
        compare_keys(b, b->values, b->kept[b->best - 1].values) >= 0)
        return NULL;
    if (b->best != SIZE_MAX && b->n_kept >= MAX(b->best * 2, (size_t)BATCH_ROWS))
        cut(b);
    if (b->n_kept == b->cap_kept) {
        b->cap_kept = MAX((size_t)BATCH_ROWS, b->cap_kept * 2);
        b->kept = mem_realloc(b->kept, b->cap_kept * sizeof(*b->kept));
        TRY(check_memory(b));
    }
    b->kept[b->n_kept++].values = copy_values(&b->kept_arena, b->values, b->n_order + b->n_targets);
    return NULL;
}

static struct error *give(struct batch *b, const struct value *targets)
{
    if (b->skip > 0) {
        b->skip--;
        return NULL;
    }
    if (b->limit == 0)
        return error_new(E_ENOUGH, "enough");
    if (b->limit > 0)
        b->limit--;
    return b->row(b->ctx, targets, b->n_targets);
}

/* The present tuple or group becomes an output row. */
static struct error *output(struct batch *b)
{
    for (int i = 0; i < b->n_order; i++)
        TRY(exec__eval(&b->env, b->order[i], &b->values[i]));
    for (int i = 0; i < b->n_targets; i++)
        TRY(exec__eval(&b->env, b->targets[i], &b->values[b->n_order + i]));
    return b->n_order > 0 ? keep(b) : give(b, b->values);
}

static struct error *give_kept(struct batch *b)
{
    if (b->n_kept)
        qsort_r(b->kept, b->n_kept, sizeof(*b->kept), compare_kept, b);
    for (size_t i = 0; i < b->n_kept; i++)
        TRY(give(b, b->kept[i].values + b->n_order));
    return NULL;
}

static struct error *give_groups(struct batch *b)
{
    struct groups *g = &b->groups;
    struct value *aggs = ARENA_ARRAY(&b->arena, struct value, g->n_aggs + 1);
    if (g->n_keys == 0 && g->rows.n == 0)
        TRY(exec__groups_add_empty(g));
    b->env.keys = &g->rows;
    b->env.aggs = aggs;
    for (uint32_t i = 0; i < g->rows.n; i++) {
        bool passes = true;
        b->env.group = i;
        TRY(exec__group_final(g, i, &b->env.arena, aggs));
        if (b->having)
            TRY(exec__eval_true(&b->env, b->having, &passes));
        if (passes)
            TRY(output(b));
        arena_reset(&b->env.arena);
        if (i % BATCH_ROWS == 0 && atomic_load(&b->run->s->cancel))
            return exec__canceled();
    }
    return NULL;
}

/* ---- tuples --------------------------------------------------------------------------------- */

static uint32_t (*frame(struct batch *b, int depth))[BATCH_ROWS]
{
    return b->frames + depth * b->plan->n_scans;
}

/* Drops the tuples for which a condition of WHERE is not true. */
static struct error *filter(struct batch *b, int *n)
{
    int kept = 0;
    for (int t = 0; t < *n; t++) {
        bool passes = true;
        b->env.t = (uint32_t)t;
        for (int i = 0; passes && i < b->plan->n_where; i++)
            TRY(exec__eval_true(&b->env, b->where[i], &passes));
        if (!passes)
            continue;
        for (int s = 0; kept != t && s < b->plan->n_scans; s++)
            b->env.idx[s][kept] = b->env.idx[s][t];
        kept++;
    }
    *n = kept;
    arena_reset(&b->env.arena);
    return NULL;
}

static struct error *joined(struct batch *b, int n)
{
    b->env.idx = frame(b, b->plan->n_joins);
    b->run->joined += n;
    if (b->plan->n_where > 0)
        TRY(filter(b, &n));
    if (n > 0 && b->plan->grouped) {
        TRY(exec__groups_add(&b->groups, &b->env, n));
        return check_memory(b);
    }
    for (int t = 0; t < n; t++) {
        b->env.t = (uint32_t)t;
        TRY(output(b));
        arena_reset(&b->env.arena);
    }
    return atomic_load(&b->run->s->cancel) ? exec__canceled() : NULL;
}

static struct error *probe(struct batch *b, int join, int n);

static struct error *pass_on(struct batch *b, int join, int n)
{
    if (n == 0)
        return NULL;
    return join + 1 < b->plan->n_joins ? probe(b, join + 1, n) : joined(b, n);
}

struct probing {
    struct batch *b;
    int join;
    const struct hash_join *j;
    uint32_t (*in)[BATCH_ROWS], (*out)[BATCH_ROWS];
    int n; /* tuples in out */
};

static void put_tuple(struct probing *p, int t, uint32_t row)
{
    for (int s = 0; s < p->j->plan->scan; s++)
        p->out[s][p->n] = p->in[s][t];
    p->out[p->j->plan->scan][p->n] = row;
}

/* The tuple in `out` is complete; passes the batch on when it is full. */
static struct error *take_tuple(struct probing *p)
{
    if (++p->n < BATCH_ROWS)
        return NULL;
    p->n = 0;
    struct error *e = pass_on(p->b, p->join, BATCH_ROWS);
    p->b->env.idx = p->in;
    return e;
}

/* Do the conditions hold? Then they make a tuple, but for an anti join. */
static struct error *match(struct probing *p, int t, uint32_t row, bool *matched)
{
    struct env *v = &p->b->env;
    bool passes = true;
    put_tuple(p, t, row);
    if (p->j->plan->n_on > 0) {
        v->idx = p->out;
        v->t = (uint32_t)p->n;
        for (int i = 0; passes && i < p->j->plan->n_on; i++)
            TRY(exec__eval_true(v, p->j->on[i], &passes));
        v->idx = p->in;
    }
    *matched |= passes;
    return passes && p->j->plan->kind != PLAN_JOIN_ANTI ? take_tuple(p) : NULL;
}

/* After the candidates of a tuple. */
static struct error *no_more(struct probing *p, int t, bool matched)
{
    enum plan_join_kind kind = p->j->plan->kind;
    if (matched || (kind != PLAN_JOIN_LEFT && kind != PLAN_JOIN_ANTI))
        return NULL;
    put_tuple(p, t, NO_ROW);
    return take_tuple(p);
}

/* The first match decides. */
static bool wants_one(const struct hash_join *j)
{
    return j->plan->kind == PLAN_JOIN_SEMI || j->plan->kind == PLAN_JOIN_ANTI;
}

static struct error *probe_keys(struct probing *p, int n)
{
    uint32_t heads[BATCH_ROWS], hashes[BATCH_ROWS];
    const struct hash_join *j = p->j;
    bool one = wants_one(j);
    exec__join_heads(j, &p->b->env, n, heads, hashes);
    for (int t = 0; t < n; t++) {
        bool matched = false;
        for (uint32_t row = heads[t]; row != NO_ROW && !(one && matched); row = j->next[row])
            if (exec__join_match(j, &p->b->env, (uint32_t)t, hashes[t], row))
                TRY(match(p, t, row, &matched));
        TRY(no_more(p, t, matched));
    }
    return NULL;
}

/* No keys: every pair. */
static struct error *probe_all(struct probing *p, int n)
{
    bool one = wants_one(p->j);
    for (int t = 0; t < n; t++) {
        bool matched = false;
        for (uint32_t row = 0; row < p->j->rows.n && !(one && matched); row++) {
            TRY(match(p, t, row, &matched));
            if (row % BATCH_ROWS == 0 && atomic_load(&p->b->run->s->cancel))
                return exec__canceled();
        }
        TRY(no_more(p, t, matched));
    }
    return NULL;
}

static struct error *probe(struct batch *b, int join, int n)
{
    struct probing p = {.b = b,
                        .join = join,
                        .j = &b->joins[join],
                        .in = frame(b, join),
                        .out = frame(b, join + 1)};
    b->env.idx = p.in;
    TRY(p.j->plan->n_keys > 0 ? probe_keys(&p, n) : probe_all(&p, n));
    return pass_on(b, join, p.n);
}

/* ---- scans ---------------------------------------------------------------------------------- */

/* One batch of the first scan, which is in sides[0], goes through. */
static struct error *first_batch(void *ctx, const struct rows *rows)
{
    struct batch *b = ctx;
    int n = (int)rows->n;
    b->sides[0] = *rows;
    uint32_t(*idx)[BATCH_ROWS] = frame(b, 0);
    for (int t = 0; t < n; t++)
        idx[0][t] = (uint32_t)t;
    return b->plan->n_joins > 0 ? probe(b, 0, n) : joined(b, n);
}

/* Is the first scan large, and of a region here? Then it is worth a thread. */
static bool worth_a_thread(const struct batch *b)
{
    const struct plan_scan *s = &b->plan->scans[0];
    const struct exec *e = b->run->e;
    return !s->sub && e->regions &&
           region_row_count(e->regions, s->region, table_file_name(s->rte->table)) >=
               e->settings.batch_min_rows * 2;
}

struct building {
    struct batch *b;
    struct rows *rows;
};

static struct error *build_row(void *ctx, const struct value *values, int n)
{
    struct building *k = ctx;
    TRY(exec__rows_add(k->rows, values));
    return k->rows->n % BATCH_ROWS == 0 ? check_memory(k->b) : NULL;
}

static struct error *build(struct batch *b)
{
    for (int i = 0; i < b->plan->n_joins; i++) {
        struct building k = {.b = b, .rows = &b->joins[i].rows};
        TRY(exec__batch_scan(b->run, &b->plan->scans[b->joins[i].plan->scan], build_row, &k));
        TRY(exec__join_build(&b->joins[i]));
        b->sides[b->joins[i].plan->scan] = b->joins[i].rows;
        TRY(check_memory(b));
    }
    return NULL;
}

static struct error *run_all(struct batch *b)
{
    TRY(build(b));
    if (b->plan->grouped)
        TRY(exec__groups_init(&b->groups, b->plan, b->run, &b->arena, b->sides));
    TRY(exec__feed(b->run, &b->plan->scans[0], worth_a_thread(b), first_batch, b));
    if (b->plan->grouped)
        TRY(give_groups(b));
    return b->n_order > 0 ? give_kept(b) : NULL;
}

/* ---- set-up --------------------------------------------------------------------------------- */

static struct node **compile_all(struct batch *b, struct expr *const *list, int n)
{
    struct node **nodes = ARENA_ARRAY(&b->arena, struct node *, n + 1);
    for (int i = 0; i < n; i++)
        nodes[i] = exec__compile(b->plan, b->run, &b->arena, list[i], false);
    return nodes;
}

static struct error *set_joins(struct batch *b)
{
    for (int i = 0; i < b->plan->n_joins; i++) {
        struct hash_join *j = &b->joins[i];
        j->plan = &b->plan->joins[i];
        exec__rows_init(&j->rows, b->plan->scans[j->plan->scan].n_columns);
        j->on = compile_all(b, j->plan->on, j->plan->n_on);
        j->types = ARENA_ARRAY(&b->arena, const struct type *, j->plan->n_keys + 1);
        for (int k = 0; k < j->plan->n_keys; k++) {
            j->types[k] = type_by_oid(j->plan->key_types[k]);
            if (!j->types[k])
                return error_new(E_INTERNAL, "joining on an unknown type");
        }
    }
    return NULL;
}

/* LIMIT and OFFSET: constants and parameters only. NULL is none. */
static struct error *set_bound(struct batch *b, const struct expr *e, int64_t none, bool is_limit,
                               int64_t *ret)
{
    struct value v = {.kind = VALUE_NULL};
    if (e)
        TRY(exec__eval(&b->env, exec__compile(b->plan, b->run, &b->arena, e, false), &v));
    *ret = v.kind == VALUE_INT ? v.i : none;
    if (v.kind == VALUE_INT && v.i < 0)
        return error_new(is_limit ? "2201W" : "2201X", "%s must not be negative",
                         is_limit ? "LIMIT" : "OFFSET");
    return NULL;
}

static struct error *set_output(struct batch *b)
{
    const struct select *s = b->select;
    bool grouped = b->plan->grouped;
    b->n_targets = s->n_targets;
    b->n_order = s->n_order;
    b->targets = ARENA_ARRAY(&b->arena, struct node *, s->n_targets + 1);
    b->order = ARENA_ARRAY(&b->arena, struct node *, s->n_order + 1);
    b->order_types = ARENA_ARRAY(&b->arena, const struct type *, s->n_order + 1);
    b->values = ARENA_ARRAY(&b->arena, struct value, s->n_order + s->n_targets + 1);
    for (int i = 0; i < s->n_targets; i++)
        b->targets[i] = exec__compile(b->plan, b->run, &b->arena, s->targets[i].expr, grouped);
    for (int i = 0; i < s->n_order; i++) {
        b->order[i] = exec__compile(b->plan, b->run, &b->arena, s->order[i].expr, grouped);
        b->order_types[i] = type_by_oid(s->order[i].expr->type);
        if (!b->order_types[i])
            return error_new(E_INTERNAL, "ordering by an unknown type");
    }
    if (s->having)
        b->having = exec__compile(b->plan, b->run, &b->arena, s->having, grouped);
    TRY(set_bound(b, s->limit, -1, true, &b->limit));
    TRY(set_bound(b, s->offset, 0, false, &b->skip));
    b->best = SIZE_MAX;
    if (b->limit >= 0 && b->limit < INT32_MAX && b->skip < INT32_MAX)
        b->best = (size_t)(b->limit + b->skip);
    return NULL;
}

static struct error *set_up(struct batch *b)
{
    int scans = b->plan->n_scans;
    b->sides = ARENA_ARRAY(&b->arena, struct rows, scans);
    b->joins = ARENA_ARRAY(&b->arena, struct hash_join, scans);
    b->frames = mem_alloc(sizeof(*b->frames) * (size_t)(b->plan->n_joins + 1) * (size_t)scans);
    b->env.run = b->run;
    b->env.sides = b->sides;
    TRY(set_joins(b));
    b->where = compile_all(b, b->plan->where, b->plan->n_where);
    return set_output(b);
}

static void clean_up(struct batch *b)
{
    if (b->groups.plan)
        exec__groups_done(&b->groups);
    for (int i = 0; b->joins && i < b->plan->n_joins; i++)
        exec__join_done(&b->joins[i]);
    mem_free(b->frames);
    mem_free(b->kept);
    arena_done(&b->kept_arena);
    arena_done(&b->env.arena);
    arena_done(&b->arena);
}

static struct error *run_plan(struct run *r, const struct plan_batch *plan, exec__row_fn row,
                              void *ctx);

struct error *exec__batch_scan(struct run *r, const struct plan_scan *scan, exec__row_fn row,
                               void *ctx)
{
    return scan->sub ? run_plan(r, scan->sub, row, ctx) : exec__scan(r, scan, row, ctx);
}

struct single {
    struct arena *arena;
    struct value value;
    bool found;
};

static struct error *single_row(void *ctx, const struct value *values, int n)
{
    struct single *s = ctx;
    if (s->found)
        return error_new("21000", "more than one row returned by a subquery used as an expression");
    s->found = true;
    s->value = copy_value(s->arena, &values[0]);
    return NULL;
}

/* Subqueries that are the same for all rows. What ends the statement anyway comes out. */
static struct error *run_once(struct batch *b)
{
    struct once *once = ARENA_ARRAY(&b->arena, struct once, b->plan->n_subs + 1);
    b->env.once = once;
    for (int i = 0; i < b->plan->n_subs; i++) {
        struct single s = {.arena = &b->arena, .value = {.kind = VALUE_NULL}};
        if (!b->plan->subs[i].once)
            continue;
        struct error *e = run_plan(b->run, b->plan->subs[i].once, single_row, &s);
        if (e && (exec__is_retryable(e) || error_is(e, E_SPILL) || error_is(e, E_CANCELED)))
            return e;
        once[i] = (struct once){s.value, e};
    }
    return NULL;
}

static void forget_once(struct batch *b)
{
    for (int i = 0; b->env.once && i < b->plan->n_subs; i++)
        error_free(b->env.once[i].error);
}

static struct error *run_plan(struct run *r, const struct plan_batch *plan, exec__row_fn row,
                              void *ctx)
{
    struct batch b = {.run = r, .plan = plan, .select = plan->select, .row = row, .ctx = ctx};
    struct error *e = run_once(&b);
    if (!e)
        e = set_up(&b);
    if (!e && b.best > 0)
        e = run_all(&b);
    forget_once(&b);
    clean_up(&b);
    if (error_is(e, E_ENOUGH)) {
        error_free(e);
        e = NULL;
    }
    return e;
}

struct error *exec__run_batch(struct run *r, exec__row_fn row, void *ctx)
{
    const struct plan_batch *plan = r->plan->batch;
    struct error *e = exec__pin(r, plan->leaves, plan->n_leaves);
    if (!e)
        e = run_plan(r, plan, row, ctx);
    return exec__unpin(r, e);
}
