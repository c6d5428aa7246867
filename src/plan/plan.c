/*
 * The choice among the kinds of plan.
 *
 * It goes by where the statement's tables are: no table at all, one region, or several places (a
 * system table is a place of its own: no region has it). Within one region SQLite runs the
 * statement, except for joins and groups over many rows, which the batch executor does several
 * times faster. Over several places a SELECT is pulled together; a write has to stay in its
 * target's region, except that INSERT may take its rows from anywhere.
 */
#include "plan/plan_int.h"

#include <stdatomic.h>

const char *plan__text(struct plan *p, const struct buf *b, size_t *ret_len)
{
    *ret_len = b->len;
    return arena_strndup(&p->arena, b->data ? b->data : "", b->len);
}

struct plan *plan_ref(struct plan *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void plan_unref(struct plan *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (p->view)
        catalog_unref(p->view);
    struct arena arena = p->arena;
    mem_free(p);
    arena_done(&arena);
}

/* ---- where the tables are ----------------------------------------------------------------- */

struct places {
    int n_system;    /* uses of system tables, and of functions that no region can run */
    int n_regions;   /* 0, 1, or 2 for several */
    uint64_t region; /* the first */
    const struct table *first;
    const struct table *other; /* one of another place than `first` */
    const struct table *written;
    bool several_written; /* .. in several regions */
    bool temporary;       /* one is the session's own: its connection is its thread's */
};

static void look(const struct query *q, struct places *ret)
{
    *ret = (struct places){.n_system = q->system};
    for (int i = 0; i < q->n_tables; i++) {
        const struct table *t = q->tables[i].table;
        ret->temporary |= table_is_temporary(t);
        if (q->tables[i].written) {
            ret->several_written |= ret->written && ret->written->region != t->region;
            ret->written = t;
        }
        if (t->id == 0) {
            ret->n_system++;
        } else if (ret->n_regions == 0) {
            ret->n_regions = 1;
            ret->region = t->region;
            ret->first = t;
        } else if (t->region != ret->region) {
            ret->n_regions = 2;
            ret->other = t;
        }
    }
}

static struct error *in_region(struct plan *p, uint64_t region)
{
    p->region = region;
    if (region == CATALOG_TEMP_REGION)
        return NULL;
    const struct region *r = catalog_region(p->view, region);
    if (!r)
        return error_new(E_STALE_SCHEMA, "region %llu does not exist", (unsigned long long)region);
    p->schema_version = r->schema_version;
    return NULL;
}

static struct error *emit(struct plan *p, const struct query *q)
{
    _cleanup_(buf_done) struct buf b = {0};
    TRY(sql_emit(q, NULL, &b));
    p->sql = plan__text(p, &b, &p->sql_len);
    return NULL;
}

static struct error *whole_in_region(struct plan *p, uint64_t region)
{
    p->kind = PLAN_REGION;
    TRY(in_region(p, region));
    return emit(p, p->query);
}

/* ---- SELECT --------------------------------------------------------------------------------- */

/* An equality with a constant on the first column of a key or an index finds few rows. */
static bool has_selective_filter(const struct rte *r)
{
    if (r->indexed)
        return true;
    for (int i = 0; i < r->n_filters; i++) {
        const struct expr *f = r->filters[i];
        if (f->kind != EXPR_FUNC || strcmp(f->call.func->name, "=") != 0 || f->n_args != 2)
            continue;
        for (int side = 0; side < 2; side++) {
            const struct expr *c = f->args[side];
            if (c->kind != EXPR_COLUMN || c->col.rte != r || !expr_is_constant(f->args[1 - side]))
                continue;
            for (int k = 0; k < r->table->n_keys; k++)
                if (r->table->keys[k].columns[0] == c->col.column)
                    return true;
            for (int k = 0; k < r->table->n_indexes; k++)
                if (r->table->indexes[k].columns[0] == c->col.column &&
                    index_has_rows(&r->table->indexes[k]))
                    return true;
        }
    }
    return false;
}

enum { COUNTS_GOOD_MS = 2000, SLOW_PAIRS = 1000000 };

static const struct rte *only_table(const struct expr *e, const struct select *s)
{
    int n;
    const struct rte *r = e->kind == EXPR_COLUMN ? NULL : expr_single_rte(e, s, &n);
    return r && r->kind == RTE_TABLE ? r : NULL;
}

/* Is e an equality of two expressions, neither of which SQLite can make an index of? Then it would
 * look at every pair of rows. */
static bool pairs_rows(const struct plan_context *pc, const struct select *s, const struct expr *e)
{
    const struct expr *l, *r;
    bool nulls;
    if (!expr_is_equality(e, &l, &r, &nulls))
        return false;
    const struct rte *left = only_table(l, s), *right = only_table(r, s);
    if (!left || !right || left == right || left->table->n_indexes || right->table->n_indexes)
        return false;
    int64_t n = pc->row_count(pc->ctx, left->table), m = pc->row_count(pc->ctx, right->table);
    return n > 0 && m > SLOW_PAIRS / n;
}

static bool find_pairs(const struct plan_context *pc, const struct select *s, struct expr *e,
                       struct arena *a)
{
    struct expr **list;
    int n = expr_conjuncts(e, a, &list);
    for (int i = 0; i < n; i++)
        if (pairs_rows(pc, s, list[i]))
            return true;
    return false;
}

static bool find_pairs_in(const struct plan_context *pc, const struct select *s,
                          const struct from *f, struct arena *a)
{
    return !f->rte && (find_pairs(pc, s, f->on, a) || find_pairs_in(pc, s, f->left, a) ||
                       find_pairs_in(pc, s, f->right, a));
}

static bool joins_slowly(struct plan *p, const struct plan_context *pc, const struct select *s)
{
    if (find_pairs(pc, s, s->where, &p->arena))
        return true;
    for (int i = 0; i < s->n_from; i++)
        if (find_pairs_in(pc, s, s->from[i], &p->arena))
            return true;
    return false;
}

/* Within one region: is it worth the batch executor? */
static bool many_rows(struct plan *p, const struct plan_context *pc, const struct query *q)
{
    const struct select *s = q->select;
    if (!pc->row_count || s->kind != SELECT_PLAIN)
        return false;
    bool slow = q->n_rtes > 1 && joins_slowly(p, pc, s);
    if (!s->grouped && !slow)
        return false;
    int n = 0;
    int64_t most = 0;
    for (int i = 0; i < q->n_rtes; i++) {
        const struct rte *r = q->rtes[i];
        if (r->kind != RTE_TABLE)
            return false;
        if (has_selective_filter(r))
            return false;
        most = MAX(most, pc->row_count(pc->ctx, r->table));
        n++;
    }
    if (n < 2 && !s->n_group)
        return false;
    most = slow ? pc->batch_min_rows : most;
    p->good_until_ms = clock_ms() + COUNTS_GOOD_MS;
    return most >= pc->batch_min_rows;
}

bool plan_is_fresh(const struct plan *p)
{
    return !p->good_until_ms || clock_ms() < p->good_until_ms;
}

/* In one region SQLite runs subqueries itself, by its indexes, and mostly needs few of their rows.
 */
static bool has_plans_inside(const struct plan_batch *b)
{
    bool inside = b->n_subs > 0;
    for (int i = 0; i < b->n_scans; i++)
        inside |= b->scans[i].sub != NULL;
    return inside;
}

static struct error *plan_select(struct plan *p, const struct plan_context *pc)
{
    const struct query *q = p->query;
    struct places at;
    look(q, &at);
    if (q->n_tables == 0) {
        p->kind = PLAN_CONSTANT;
        return emit(p, q);
    }
    bool one = at.n_system == 0 && at.n_regions == 1;
    if (one && (q->locks || at.temporary || !many_rows(p, pc, q)))
        return whole_in_region(p, at.region);
    if (at.n_system == 0 && !at.temporary)
        p->batch = plan__batch(p, pc, q->select);
    if (one && (!p->batch || has_plans_inside(p->batch))) {
        p->batch = NULL;
        return whole_in_region(p, at.region);
    }
    if (one)
        TRY(in_region(p, at.region));
    p->kind = p->batch ? PLAN_BATCH : PLAN_GATHER;
    return plan__gather(p, q->select, &p->gather);
}

/* ---- writes --------------------------------------------------------------------------------- */

static struct error *refuse_several(const struct plan *p, const struct places *at, const char *hint)
{
    struct error *e = error_new(E_UNSUPPORTED, "%s cannot touch tables of several regions yet",
                                p->query->kind == QUERY_UPDATE   ? "UPDATE"
                                : p->query->kind == QUERY_DELETE ? "DELETE"
                                : p->query->kind == QUERY_INSERT ? "INSERT"
                                : p->query->kind == QUERY_MERGE  ? "MERGE"
                                : p->query->kind == QUERY_SELECT ? "a statement"
                                                                 : "TRUNCATE");
    if (at->first && at->other)
        error_detail(e, "\"%s\" and \"%s\" are in different regions.", at->first->name,
                     at->other->name);
    return error_hint(e, "%s", hint);
}

/* The same INSERT with one row of parameters for its SELECT, numbered after the statement's own. */
static struct error *emit_row_insert(struct plan *p)
{
    const struct query *q = p->query;
    const struct select *from = q->write->select;
    struct arena *a = &p->arena;
    struct select *values = ARENA_NEW(a, struct select);
    values->kind = SELECT_VALUES;
    values->n_targets = from->n_targets;
    values->targets = ARENA_ARRAY(a, struct target, from->n_targets);
    values->n_rows = 1;
    values->rows = ARENA_ARRAY(a, struct expr **, 1);
    values->rows[0] = ARENA_ARRAY(a, struct expr *, from->n_targets);
    for (int i = 0; i < from->n_targets; i++) {
        struct expr *e = ARENA_NEW(a, struct expr);
        e->kind = EXPR_PARAM;
        e->type = from->targets[i].expr ? from->targets[i].expr->type : OID_TEXT;
        e->typmod = -1;
        e->param = q->n_params + q->n_hidden + i + 1;
        values->rows[0][i] = e;
        values->targets[i] = (struct target){.expr = e, .name = from->targets[i].name};
    }
    struct write *w = ARENA_NEW(a, struct write);
    *w = *q->write;
    w->select = values;
    struct query *row = ARENA_NEW(a, struct query);
    *row = *q;
    row->write = w;
    return emit(p, row);
}

static struct error *plan_insert_from_elsewhere(struct plan *p, const struct places *at)
{
    p->kind = PLAN_INSERT;
    TRY(in_region(p, at->written->region));
    TRY(emit_row_insert(p));
    return plan__gather(p, p->query->write->select, &p->gather);
}

static struct error *in_stages(struct plan *p, uint64_t region)
{
    p->kind = PLAN_REGION;
    TRY(in_region(p, region));
    return plan__stages(p);
}

static struct error *plan_write(struct plan *p)
{
    const struct query *q = p->query;
    struct places at;
    look(q, &at);
    if (!at.written)
        return error_new(E_INTERNAL, "a write without a target");
    if (at.written->id == 0)
        return error_new("42809", "cannot change system view \"%s\"", at.written->name);
    if (at.several_written)
        return refuse_several(p, &at,
                              "Write each in a statement of its own, or put both tables into one "
                              "region: WITH (colocate_with = '..') when creating.");
    bool stages = plan__needs_stages(q);
    if (at.n_regions == 1 && at.n_system == 0)
        return stages ? in_stages(p, at.region) : whole_in_region(p, at.region);
    /* many rows: streamed, not packed */
    bool upsert = q->write && q->write->conflict && q->write->conflict->update;
    if (q->kind == QUERY_INSERT && !stages && !q->returns && !upsert)
        return plan_insert_from_elsewhere(p, &at);
    return in_stages(p, at.written->region);
}

/* Do rows of any other table that is still to be emptied refer to t? */
static bool is_referenced(const struct query *q, const bool *done, const struct table *t)
{
    for (int i = 0; i < q->truncate.n_tables; i++) {
        const struct table *other = q->truncate.tables[i];
        for (int k = 0; !done[i] && other != t && k < other->n_foreign_keys; k++)
            if (other->foreign_keys[k].table == t->id)
                return true;
    }
    return false;
}

/* DELETE of every table, those that refer to others first. */
static void emit_truncate(struct plan *p, struct buf *b)
{
    const struct query *q = p->query;
    int n = q->truncate.n_tables;
    bool *done = ARENA_ARRAY(&p->arena, bool, n);
    for (int left = n; left > 0; left--) {
        int pick = -1;
        for (int i = 0; i < n; i++)
            if (!done[i] && (pick < 0 || is_referenced(q, done, q->truncate.tables[pick])))
                pick = i;
        done[pick] = true;
        buf_puts(b, b->len > 0 ? "; DELETE FROM " : "DELETE FROM ");
        sql_quote(table_file_name(q->truncate.tables[pick]), b);
    }
}

static struct error *plan_truncate(struct plan *p)
{
    const struct query *q = p->query;
    struct places at = {0};
    bool temporary = false;
    for (int i = 0; i < q->truncate.n_tables; i++) {
        const struct table *t = q->truncate.tables[i];
        if (t->id == 0)
            return error_new("42809", "cannot change system view \"%s\"", t->name);
        temporary |= t->region == CATALOG_TEMP_REGION;
        if (!at.first)
            at.first = t;
        else if (t->region != at.first->region)
            at.other = t;
    }
    if (at.other && temporary)
        return refuse_several(p, &at, "Truncate them one by one.");
    if (at.other) {
        p->kind = PLAN_TRUNCATE;
        return NULL;
    }
    if (!at.first)
        return error_new(E_INTERNAL, "TRUNCATE without a table");
    p->kind = PLAN_REGION;
    TRY(in_region(p, at.first->region));
    _cleanup_(buf_done) struct buf b = {0};
    emit_truncate(p, &b);
    p->sql = plan__text(p, &b, &p->sql_len);
    return NULL;
}

/* ---- all ------------------------------------------------------------------------------------ */

static struct error *choose(struct plan *p, const struct plan_context *pc)
{
    switch (p->query->kind) {
    case QUERY_SELECT:
        return p->query->writes ? plan_write(p) : plan_select(p, pc);
    case QUERY_INSERT:
    case QUERY_UPDATE:
    case QUERY_DELETE:
    case QUERY_MERGE:
        return plan_write(p);
    case QUERY_TRUNCATE:
        return plan_truncate(p);
    case QUERY_CREATE_TABLE:
    case QUERY_CREATE_INDEX:
    case QUERY_DROP_TABLE:
    case QUERY_DROP_INDEX:
    case QUERY_CREATE_SEQUENCE:
    case QUERY_ALTER_SEQUENCE:
    case QUERY_DROP_SEQUENCE:
    case QUERY_ALTER_TABLE:
    case QUERY_COMMENT:
    case QUERY_REFRESH:
    case QUERY_OBJECTS:
        if (p->explain)
            return error_hint(error_new(E_UNSUPPORTED, "cannot explain a schema change"),
                              "EXPLAIN takes SELECT, INSERT, UPDATE and DELETE.");
        p->kind = PLAN_DDL;
        return NULL;
    default:
        return error_hint(error_new(E_UNSUPPORTED, "%s has no plan", p->query->tag),
                          "EXPLAIN takes SELECT, INSERT, UPDATE and DELETE.");
    }
}

static const struct result_column explain_columns[] = {
    {.name = "QUERY PLAN", .type = OID_TEXT, .typmod = -1},
    {.name = "QUERY PLAN", .type = OID_JSON, .typmod = -1},
};

struct error *plan_new(const struct plan_context *pc, const struct query *q, const char *text,
                       size_t text_len, struct arena *arena, struct plan **ret)
{
    struct plan *p = NEW(struct plan);
    p->refs = 1;
    p->arena = *arena;
    *arena = (struct arena){0};
    p->view = pc->view;
    p->query = q;
    p->text = arena_strndup(&p->arena, text, text_len);
    p->n_columns = q->n_columns;
    p->columns = q->columns;
    p->returns = q->returns;
    if (q->kind == QUERY_EXPLAIN) {
        p->explain = true;
        p->analyze = q->explain.analyze;
        p->query = q->explain.query;
        p->text = arena_strdup(&p->arena, q->explain.text);
        p->n_columns = 1;
        p->json = q->explain.json;
        p->columns = &explain_columns[p->json];
        p->returns = true;
    }
    p->writes = p->query->writes || p->query->kind == QUERY_TRUNCATE;
    p->locks = p->query->locks;
    struct error *e = choose(p, pc);
    if (e) {
        plan_unref(p);
        return e;
    }
    *ret = p;
    return NULL;
}
