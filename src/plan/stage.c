/*
 * Writes that take more than one SQLite statement: stages, all in the writer's transaction.
 *
 *   tables of other regions   are read before anything else, and come as packed parameters
 * (types.h) a data-modifying CTE      is a stage of its own; its RETURNING is packed into a
 * parameter, and the parts after it read that RETURNING that SQLite     1. a SELECT packs the rows
 * to change: row id, new values, and what can't give (columns of       RETURNING reads other
 * tables,             2. the change, by row id subqueries)               3. RETURNING, over what
 * was packed
 *
 *   MERGE                     what each WHEN will do is packed, then done
 *
 * PostgreSQL's rule is that all parts of a statement see the data as it was before all of them.
 * What is read after something was written here (the main query after a data-modifying CTE, a
 * subquery in RETURNING) is therefore packed first, too, if it reads a table that the statement
 * changes, be it through a foreign key's action. So are the rows that an UPDATE or DELETE looks at,
 * when another part has changed rows of the same table before it. A row that an earlier part
 * changed is none to a later one: PostgreSQL lets one of them have it, too. An INSERT .. ON
 * CONFLICT DO UPDATE that comes later would meet such rows: that is refused.
 *
 * Packed rows stand in each stage's WITH as pulled_<rte id>, with the table's column names.
 */
#include "plan/plan_int.h"

enum { MAIN = -1 };

struct stager {
    struct plan *p;
    struct plan_staged *st;
    int *order, n_order; /* of the parts: a WITH query's number, or MAIN */
    bool *runs, main_runs;
    bool once;          /* a row that several rows change is an error: MERGE's rule */
    bool *changed;      /* of view->tables: what the statement may change */
    bool *shared;       /* of view->tables: several parts change it, not all of them by INSERT */
    struct part *parts; /* UPDATEs and DELETEs of shared tables that have run */
    int n_parts;
    bool *late;  /* by rte id: read after something was written */
    int *packed; /* by rte id: the parameter that holds its rows; 0: none */
    int n_ctes;  /* data-modifying ones that have run */
    const struct cte **ctes;
    int *cte_params;
    struct buf with; /* definitions of what is packed */
    /* of the RETURNING that is being printed: column of an entry -> column of the packed rows */
    int n_columns;
    struct expr *columns[TYPES_MAX_PACKED];
    int first_column;
    int returned; /* rows of the target as they are now, by row id: parameter; 0: not needed */
    const struct write *write;
};

struct part {
    const struct table *table;
    int param; /* the rows that it changed: row id, .. */
};

/* ---- which parts there are ------------------------------------------------------------------ */

static const struct select *main_select(const struct query *q)
{
    return q->write ? q->write->select : q->select;
}

static bool find_foreign(void *ctx, const struct expr *e)
{
    const struct rte **target = ctx;
    if (e->kind == EXPR_SUBQUERY || (e->kind == EXPR_COLUMN && e->col.rte != *target))
        *target = NULL;
    return *target != NULL;
}

/* Can SQLite's own RETURNING give it? */
static bool returning_is_plain(const struct write *w)
{
    const struct rte *target = w->target;
    for (int i = 0; i < w->n_returning && target; i++)
        expr_walk(w->returning[i].expr, true, find_foreign, &target);
    return target != NULL;
}

bool plan__needs_stages(const struct query *q)
{
    const struct select *s = main_select(q);
    for (int i = 0; i < s->n_ctes; i++)
        if (s->ctes[i]->write)
            return true;
    return q->write && (q->write->kind == QUERY_MERGE || !returning_is_plain(q->write));
}

/* ---- what is read late ---------------------------------------------------------------------- */

static void mark_select(struct stager *g, const struct select *s);

static bool mark_expr(void *ctx, const struct expr *e)
{
    if (e->kind == EXPR_SUBQUERY)
        mark_select(ctx, e->sub.select);
    return true;
}

static void mark_from(struct stager *g, const struct from *f)
{
    if (!f->rte) {
        mark_from(g, f->left);
        mark_from(g, f->right);
        return;
    }
    g->late[f->rte->id] = true;
    if (f->rte->select)
        mark_select(g, f->rte->select);
}

static void mark_write(struct stager *g, const struct write *w);

static void mark_select(struct stager *g, const struct select *s)
{
    for (int i = 0; i < s->n_ctes; i++) {
        if (s->ctes[i]->write)
            mark_write(g, s->ctes[i]->write);
        else
            mark_select(g, s->ctes[i]->select);
    }
    if (s->kind == SELECT_SETOP) {
        mark_select(g, s->left);
        mark_select(g, s->right);
    }
    for (int i = 0; i < s->n_from; i++)
        mark_from(g, s->from[i]);
    select_walk(s, false, mark_expr, g);
}

static void mark_write(struct stager *g, const struct write *w)
{
    mark_select(g, w->select);
    write_walk(w, false, mark_expr, g);
}

static const struct write *write_of(const struct stager *g, int item)
{
    const struct query *q = g->p->query;
    return item == MAIN ? q->write : main_select(q)->ctes[item]->write;
}

static void mark_main(struct stager *g)
{
    const struct query *q = g->p->query;
    struct select without = *main_select(q);
    without.n_ctes = 0;
    mark_select(g, &without);
    if (q->write) {
        struct write w = *q->write;
        w.select = &without;
        mark_write(g, &w);
    }
}

/* All but what the first part reads in order to change something. */
static void find_late(struct stager *g)
{
    const struct query *q = g->p->query;
    const struct select *s = main_select(q);
    for (int i = 0; i < s->n_ctes; i++)
        if (!s->ctes[i]->write)
            mark_select(g, s->ctes[i]->select);
    for (int i = 0; i < g->n_order; i++) {
        const struct write *w = write_of(g, g->order[i]);
        for (int k = 0; w && k < w->n_returning; k++)
            expr_walk(w->returning[k].expr, false, mark_expr, g);
        if (i > 0 && g->order[i] == MAIN)
            mark_main(g);
        else if (i > 0)
            mark_write(g, w);
    }
}

/* ---- in which order ------------------------------------------------------------------------- */

/* PostgreSQL runs the statement itself, and each WITH query when its rows are asked for; those that
 * nobody asks run at the end, the last one first. */
static void run_item(struct stager *g, int item);

static void run_what_is_read(struct stager *g, const bool *read)
{
    const struct query *q = g->p->query;
    const struct select *s = main_select(q);
    for (int i = 0; i < s->n_ctes; i++) {
        bool asked = false;
        for (int k = 0; k < q->n_rtes; k++)
            asked |= read[k] && q->rtes[k]->kind == RTE_CTE && q->rtes[k]->cte == s->ctes[i];
        if (asked)
            run_item(g, i);
    }
}

static void run_item(struct stager *g, int item)
{
    const struct select *s = main_select(g->p->query);
    bool *before = g->late, *done = item == MAIN ? &g->main_runs : &g->runs[item];
    if (*done)
        return;
    *done = true;
    g->late = ARENA_ARRAY(&g->p->arena, bool, MAX(g->p->query->n_rtes, 1));
    if (item == MAIN)
        mark_main(g);
    else if (s->ctes[item]->write)
        mark_write(g, s->ctes[item]->write);
    else
        mark_select(g, s->ctes[item]->select);
    run_what_is_read(g, g->late);
    g->late = before;
    if (item == MAIN || s->ctes[item]->write)
        g->order[g->n_order++] = item;
}

/* Do two parts write to one table? */
static bool meet(const struct stager *g)
{
    const struct select *s = main_select(g->p->query);
    for (int i = 0; i < s->n_ctes; i++) {
        const struct write *x = s->ctes[i]->write, *y = g->p->query->write;
        for (int k = i + 1; x && k <= s->n_ctes; k++) {
            const struct write *other = k < s->n_ctes ? s->ctes[k]->write : y;
            if (other && other->target->table->id == x->target->table->id)
                return true;
        }
    }
    return false;
}

/* Where the order makes no difference to the rows it is as written, so that rows that others refer
 * to are there first: PostgreSQL looks at foreign keys when all parts have run. */
static void find_order(struct stager *g)
{
    const struct select *s = main_select(g->p->query);
    g->order = ARENA_ARRAY(&g->p->arena, int, s->n_ctes + 1);
    g->runs = ARENA_ARRAY(&g->p->arena, bool, MAX(s->n_ctes, 1));
    if (meet(g))
        run_item(g, MAIN);
    for (int i = s->n_ctes; i-- > 0 && g->n_order;)
        if (s->ctes[i]->write)
            run_item(g, i);
    if (g->n_order)
        return;
    for (int i = 0; i < s->n_ctes; i++)
        if (s->ctes[i]->write)
            g->order[g->n_order++] = i;
    g->order[g->n_order++] = MAIN;
}

/* ---- what changes --------------------------------------------------------------------------- */

static int table_index(const struct catalog_view *v, uint64_t id)
{
    for (size_t i = 0; i < v->n_tables; i++)
        if (v->tables[i]->id == id)
            return (int)i;
    return -1;
}

/* Whatever refers to a changed table changes, too, through foreign keys' actions. */
static void follow_references(struct stager *g)
{
    const struct catalog_view *v = g->p->view;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < v->n_tables; i++)
            for (int k = 0; k < v->tables[i]->n_foreign_keys && !g->changed[i]; k++) {
                int to = table_index(v, v->tables[i]->foreign_keys[k].table);
                more = g->changed[i] = to >= 0 && g->changed[to] && to != (int)i;
            }
    }
}

static struct error *add_change(struct stager *g, const struct write *w)
{
    int i = table_index(g->p->view, w->target->table->id);
    if (i < 0)
        return error_new(E_STALE_SCHEMA, "table \"%s\" is gone", w->target->table->name);
    bool by_id = w->kind == QUERY_UPDATE || w->kind == QUERY_DELETE;
    bool adds = w->kind == QUERY_INSERT && !(w->conflict && w->conflict->update);
    if (g->changed[i])
        g->shared[i] = true;
    if (g->changed[i] && by_id)
        g->late[w->target->id] = true;
    if (g->changed[i] && !adds && !by_id)
        return error_hint(error_new(E_UNSUPPORTED,
                                    "changing rows of table \"%s\" in two parts of one statement "
                                    "is not supported",
                                    w->target->table->name),
                          "Use two statements in one transaction.");
    g->changed[i] = true;
    return NULL;
}

static struct error *find_changes(struct stager *g)
{
    g->changed = ARENA_ARRAY(&g->p->arena, bool, MAX(g->p->view->n_tables, 1));
    g->shared = ARENA_ARRAY(&g->p->arena, bool, MAX(g->p->view->n_tables, 1));
    for (int i = 0; i < g->n_order; i++)
        if (write_of(g, g->order[i]))
            TRY(add_change(g, write_of(g, g->order[i])));
    follow_references(g);
    return NULL;
}

/* ---- hooks of the emitter ------------------------------------------------------------------- */

static bool print_table(void *ctx, const struct rte *r, struct buf *out)
{
    const struct stager *g = ctx;
    if (r->kind != RTE_TABLE || !g->packed[r->id])
        return false;
    buf_printf(out, "\"pulled_%d\"", r->id);
    return true;
}

static void print_positions(struct buf *out, int n)
{
    for (int i = 0; i < MAX(n, 1); i++)
        buf_printf(out, "%sc%d", i ? ", " : "SELECT ", i + 1);
}

static void print_cte(void *ctx, const struct cte *c, struct buf *out)
{
    const struct stager *g = ctx;
    for (int i = 0; i < g->n_ctes; i++)
        if (g->ctes[i] == c) {
            print_positions(out, c->n_columns);
            buf_printf(out, " FROM minisql_rows(?%d)", g->cte_params[i]);
            return;
        }
    for (int i = 0; i < MAX(c->n_columns, 1); i++) /* it runs later: nobody reads it here */
        buf_puts(out, i ? ", NULL" : "SELECT NULL");
    buf_puts(out, " WHERE 0");
}

static bool is_shared(const struct stager *g, const struct write *w)
{
    int i = table_index(g->p->view, w->target->table->id);
    return (w->kind == QUERY_UPDATE || w->kind == QUERY_DELETE) && i >= 0 && g->shared[i];
}

static int packed_column(const struct stager *g, const struct expr *e)
{
    for (int i = 0; i < g->n_columns; i++)
        if (g->columns[i]->col.rte == e->col.rte && g->columns[i]->col.column == e->col.column)
            return g->first_column + i;
    return -1;
}

/* Does it follow from others, which an UPDATE may have changed? */
static bool is_generated(const struct write *w, const struct expr *e)
{
    return w->kind == QUERY_UPDATE && e->col.rte == w->target && e->col.column >= 0 &&
           w->target->table->columns[e->col.column].generated;
}

/* A column in a RETURNING: of the packed rows. One that was assigned has its new value. */
static bool print_column(void *ctx, const struct expr *e, struct buf *out)
{
    const struct stager *g = ctx;
    if (e->kind != EXPR_COLUMN || !g->write)
        return false;
    int at = packed_column(g, e);
    if (at > 0 && is_generated(g->write, e)) {
        buf_printf(out, "\"minisql_new\".c%d", at - g->first_column + 2);
        return true;
    }
    for (int i = 0; i < g->write->n_set && e->col.rte == g->write->target; i++)
        if (g->write->set[i].column == e->col.column)
            at = i + 2;
    if (at > 0)
        buf_printf(out, "\"minisql_source\".c%d", at);
    return at > 0;
}

static struct sql_emit hooks(struct stager *g)
{
    return (struct sql_emit){.ctx = g,
                             .table = print_table,
                             .cte = print_cte,
                             .with = g->with.len ? g->with.data : NULL};
}

/* ---- stages --------------------------------------------------------------------------------- */

static int new_param(struct stager *g)
{
    return g->st->first_param + g->st->n_params++;
}

static struct plan_stage *add_stage(struct stager *g, const struct buf *text)
{
    struct plan_staged *st = g->st;
    struct plan_stage *grown = ARENA_ARRAY(&g->p->arena, struct plan_stage, st->n_stages + 1);
    if (st->n_stages)
        memcpy(grown, st->stages, sizeof(*grown) * (size_t)st->n_stages);
    st->stages = grown;
    struct plan_stage *s = &grown[st->n_stages++];
    s->sql = plan__text(g->p, text, &s->sql_len);
    return s;
}

static struct error *no_row_id(const struct write *w)
{
    return error_hint(error_new(E_UNSUPPORTED, "this RETURNING is not supported for table \"%s\"",
                                w->target->table->name),
                      "It has columns called rowid, _rowid_ and oid: rename one.");
}

static struct error *too_wide(int n, const char *what)
{
    if (n <= TYPES_MAX_PACKED)
        return NULL;
    return error_hint(error_new(E_UNSUPPORTED, "more than %d columns of %s are not supported",
                                TYPES_MAX_PACKED, what),
                      "Use several statements in one transaction.");
}

static void define_pulled(struct stager *g, const struct plan_scan *s, int param)
{
    struct buf *b = &g->with;
    buf_printf(b, "%s\"pulled_%d\"(", b->len ? ", " : "", s->rte->id);
    for (int i = 0; i < s->n_columns; i++) {
        buf_puts(b, i ? ", " : "");
        sql_quote(sql_scan_column(s->rte, s->columns[i]), b);
    }
    buf_puts(b, s->n_columns ? ") AS MATERIALIZED (" : "\"minisql_one\") AS MATERIALIZED (");
    print_positions(b, s->n_columns);
    buf_printf(b, " FROM minisql_rows(?%d))", param);
}

static bool is_here(const struct stager *g, const struct rte *r)
{
    return r->table->id && r->table->region == g->p->region;
}

static bool find_beyond(void *ctx, const struct expr *e)
{
    const struct rte **target = ctx;
    if (e->kind == EXPR_SUBQUERY || e->kind == EXPR_AGG || e->kind == EXPR_WINDOW ||
        (e->kind == EXPR_COLUMN && e->col.rte != *target) ||
        (e->kind == EXPR_FUNC && (e->call.func->volatile_ || e->call.func->system)))
        *target = NULL;
    return *target != NULL;
}

/* The rows of its target that an UPDATE or DELETE may change, with their row ids. */
static void scan_target(struct stager *g, const struct write *w, struct plan_scan *ret)
{
    struct plan *p = g->p;
    const struct rte *r = w->target;
    struct expr **list;
    int n = expr_conjuncts(w->select->where, &p->arena, &list), n_filters = 0, n_columns = 0;
    int *columns = ARENA_ARRAY(&p->arena, int, r->n_columns + 1);
    columns[n_columns++] = COLUMN_ROWID;
    for (int i = 0; i < r->n_columns; i++)
        if (r->columns[i].used)
            columns[n_columns++] = i;
    for (int i = 0; i < n; i++) {
        const struct rte *only = r;
        expr_walk(list[i], true, find_beyond, &only);
        if (only)
            list[n_filters++] = list[i];
    }
    plan__scan(p, r, n_columns, columns, plan__row_number(p, r), list, n_filters, ret);
}

/* Without those that earlier parts have changed meanwhile. */
static void define_target(struct stager *g, const struct write *w)
{
    const struct rte *r = w->target;
    const char *between = " WHERE c1 NOT IN (";
    struct buf *b = &g->with;
    struct plan_scan scan;
    scan_target(g, w, &scan);
    buf_printf(b, "%s\"pulled_%d\"(", b->len ? ", " : "", r->id);
    for (int i = 0; i < scan.n_columns; i++) {
        buf_puts(b, i ? ", " : "");
        sql_quote(sql_scan_column(r, scan.columns[i]), b);
    }
    buf_puts(b, ") AS MATERIALIZED (");
    print_positions(b, scan.n_columns);
    buf_printf(b, " FROM minisql_rows(?%d)", g->packed[r->id]);
    for (int i = 0; i < g->n_parts; i++) {
        if (g->parts[i].table != r->table)
            continue;
        buf_printf(b, "%sSELECT c1 FROM minisql_rows(?%d)", between, g->parts[i].param);
        between = " UNION ALL ";
    }
    buf_puts(b, *between == ' ' && between[1] == 'U' ? "))" : ")");
}

static struct error *pull_target(struct stager *g, const struct write *w)
{
    struct plan_scan scan;
    if (!w || !is_shared(g, w) || !g->late[w->target->id])
        return NULL;
    if (!sql_rowid_name(w->target->table))
        return no_row_id(w);
    scan_target(g, w, &scan);
    TRY(too_wide(scan.n_columns, "a table that such a statement changes twice"));
    struct buf text = {.data = (char *)scan.sql, .len = scan.sql_len};
    g->packed[w->target->id] = new_param(g);
    add_stage(g, &text)->param = g->packed[w->target->id];
    return NULL;
}

/* What later parts change, as it is before all of them. */
static struct error *pull_targets(struct stager *g)
{
    for (int i = 0; i < g->n_order; i++)
        TRY(pull_target(g, write_of(g, g->order[i])));
    return NULL;
}

/* Entries of other places, and those that are read too late. */
static struct error *pull(struct stager *g)
{
    struct plan *p = g->p;
    const struct query *q = p->query;
    struct plan_staged *st = g->st;
    st->scans = ARENA_ARRAY(&p->arena, struct plan_scan, MAX(q->n_rtes, 1));
    for (int here = 0; here < 2; here++) /* the scans' parameters come first */
        for (int i = 0; i < q->n_rtes; i++) {
            const struct rte *r = q->rtes[i];
            if (r->kind != RTE_TABLE || r->target || is_here(g, r) != here)
                continue;
            int at = table_index(p->view, r->table->id);
            if (here && !(g->late[r->id] && at >= 0 && g->changed[at]))
                continue;
            struct plan_scan scan;
            plan__scan_used(p, r, &scan);
            TRY(too_wide(scan.n_columns, "a table read by such a statement"));
            if (!here && st->n_scans == 0)
                new_param(g); /* the signature */
            g->packed[r->id] = new_param(g);
            if (here) {
                struct buf text = {.data = (char *)scan.sql, .len = scan.sql_len};
                add_stage(g, &text)->param = g->packed[r->id];
            } else {
                st->scans[st->n_scans++] = scan;
            }
            define_pulled(g, &scan, g->packed[r->id]);
        }
    return NULL;
}

/* What two servers have to agree on for one to unpack what the other packed. */
static uint64_t signature(const struct plan_staged *st)
{
    uint64_t h = (uint64_t)st->n_scans;
    for (int i = 0; i < st->n_scans; i++)
        h = h * 0x100000001b3u ^ hash_bytes(st->scans[i].sql, st->scans[i].sql_len);
    return h;
}

static bool collect_column(void *ctx, const struct expr *e)
{
    struct stager *g = ctx;
    const struct write *w = g->write;
    if (e->kind != EXPR_COLUMN || (e->col.rte != w->target && e->col.rte->owner != w->select) ||
        packed_column(g, e) >= 0)
        return true;
    if (g->n_columns < TYPES_MAX_PACKED)
        g->columns[g->n_columns] = (struct expr *)e;
    g->n_columns++;
    return g->n_columns <= TYPES_MAX_PACKED;
}

/* minisql_changed_once(count(*)): 21000 when rows of the source meet in one row of the target. */
static struct error *changed_once(struct stager *g, struct expr **ret)
{
    struct arena *a = &g->p->arena;
    const uint32_t type = OID_INT8;
    struct expr *count = ARENA_NEW(a, struct expr), *e = ARENA_NEW(a, struct expr);
    *count = (struct expr){.kind = EXPR_AGG, .type = OID_INT8, .typmod = -1};
    TRY(func_resolve("count", FUNC_AGGREGATE, NULL, 0, &count->call.func));
    *e = (struct expr){.kind = EXPR_FUNC, .type = OID_INT8, .typmod = -1, .n_args = 1};
    e->args = ARENA_ARRAY(a, struct expr *, 1);
    e->args[0] = count;
    TRY(func_resolve("minisql_changed_once", FUNC_SCALAR, &type, 1, &e->call.func));
    *ret = e;
    return NULL;
}

/* Stage 1 of a change: one row for each row that changes. */
static struct error *select_changes(struct stager *g, const struct write *w, int *ret_param)
{
    struct select *s = w->select, before = *s;
    struct arena *a = &g->p->arena;
    int n = 1 + w->n_set + g->n_columns + g->once;
    TRY(too_wide(n, "such an UPDATE or DELETE"));
    if (!sql_rowid_name(w->target->table))
        return no_row_id(w);
    struct expr *rowid = ARENA_NEW(a, struct expr);
    *rowid = (struct expr){.kind = EXPR_COLUMN, .type = OID_INT8, .typmod = -1};
    rowid->col.rte = w->target;
    rowid->col.column = COLUMN_ROWID;
    s->targets = ARENA_ARRAY(a, struct target, n);
    s->n_targets = n;
    s->targets[0].expr = rowid;
    for (int i = 0; i < w->n_set; i++)
        s->targets[1 + i].expr = w->set[i].value;
    for (int i = 0; i < g->n_columns; i++)
        s->targets[1 + w->n_set + i].expr = g->columns[i];
    if (g->once)
        TRY(changed_once(g, &s->targets[n - 1].expr));
    s->from = ARENA_ARRAY(a, struct from *, s->n_from + 1);
    s->from[0] = ARENA_NEW(a, struct from);
    s->from[0]->rte = w->target;
    if (s->n_from)
        memcpy(s->from + 1, before.from, sizeof(*s->from) * (size_t)s->n_from);
    s->n_from++;
    s->group = &rowid; /* a row that joins with several changes once */
    s->n_group = 1;
    w->target->owner = (struct select *)(s->original ? s->original : s);
    const struct sql_emit how = hooks(g);
    _cleanup_(buf_done) struct buf b = {0};
    struct error *e = sql_emit_select(s, &how, &b);
    w->target->owner = NULL;
    *s = before;
    if (!e)
        add_stage(g, &b)->param = *ret_param = new_param(g);
    return e;
}

/* Stage 2: by row id. */
static struct plan_stage *apply_changes(struct stager *g, const struct write *w, int param)
{
    const struct table *t = w->target->table;
    const char *rowid = sql_rowid_name(t);
    _cleanup_(buf_done) struct buf b = {0};
    buf_puts(&b, w->kind == QUERY_UPDATE ? "UPDATE " : "DELETE FROM ");
    sql_quote(table_file_name(t), &b);
    for (int i = 0; i < w->n_set; i++) {
        buf_puts(&b, i ? ", " : " SET ");
        sql_quote(t->columns[w->set[i].column].name, &b);
        buf_printf(&b, " = minisql_source.c%d", i + 2);
    }
    if (w->kind == QUERY_UPDATE) {
        buf_printf(&b, " FROM minisql_rows(?%d) AS minisql_source WHERE ", param);
        sql_quote(table_file_name(t), &b);
        buf_printf(&b, ".%s = minisql_source.c1", rowid);
    } else {
        buf_printf(&b, " WHERE %s IN (SELECT c1 FROM minisql_rows(?%d))", rowid, param);
    }
    if (!g->returned)
        return add_stage(g, &b);
    buf_printf(&b, " RETURNING %s", rowid);
    for (int i = 0; i < g->n_columns; i++) { /* of others than generated ones nobody reads it */
        const bool own = is_generated(w, g->columns[i]);
        buf_puts(&b, own ? ", " : ", NULL");
        if (own)
            sql_quote(t->columns[g->columns[i]->col.column].name, &b);
    }
    struct plan_stage *s = add_stage(g, &b);
    s->param = g->returned;
    return s;
}

/* INSERT .. RETURNING the columns that the real RETURNING reads. */
static struct error *insert_returning(struct stager *g, const struct write *w, int *ret_param)
{
    struct write changed = *w;
    int n = MAX(g->n_columns, 1);
    TRY(too_wide(n, "such an INSERT"));
    changed.returning = ARENA_ARRAY(&g->p->arena, struct target, n);
    changed.n_returning = n;
    struct expr *one = ARENA_NEW(&g->p->arena, struct expr);
    *one = (struct expr){.kind = EXPR_CONST, .type = OID_INT4, .typmod = -1};
    one->value = (struct value){.kind = VALUE_INT, .i = 1};
    for (int i = 0; i < n; i++)
        changed.returning[i].expr = g->n_columns ? g->columns[i] : one;
    const struct sql_emit how = hooks(g);
    _cleanup_(buf_done) struct buf b = {0};
    TRY(sql_emit_write(&changed, false, &how, &b));
    struct plan_stage *s = add_stage(g, &b);
    s->write = w;
    s->param = *ret_param = new_param(g);
    return NULL;
}

static void print_with(struct buf *b, const struct stager *g, const struct sql_emit *how,
                       const struct select *s)
{
    size_t start = b->len;
    buf_puts(b, "WITH RECURSIVE ");
    size_t empty = b->len;
    if (how->with)
        buf_puts(b, how->with);
    _cleanup_(buf_done) struct buf ctes = {0};
    sql_emit_ctes(s->ctes, s->n_ctes, how, &ctes);
    if (ctes.len) {
        buf_puts(b, b->len > empty ? ", " : "");
        buf_append(b, ctes.data, ctes.len);
    }
    if (b->len == empty)
        b->len = start;
    else
        buf_puts(b, " ");
    (void)g;
}

/* Stage 3: RETURNING over the packed rows. */
static struct plan_stage *select_returning(struct stager *g, const struct write *w, int param)
{
    struct sql_emit how = hooks(g);
    how.expr = print_column;
    _cleanup_(buf_done) struct buf b = {0};
    print_with(&b, g, &how, w->select);
    for (int i = 0; i < w->n_returning; i++) {
        buf_puts(&b, i ? ", " : "SELECT ");
        sql_emit_expr(w->returning[i].expr, &how, &b);
    }
    buf_printf(&b, " FROM minisql_rows(?%d) AS \"minisql_source\"", param);
    if (g->returned) { /* the LIMIT has SQLite make a table of it, and an index on that */
        buf_puts(&b, " JOIN (");
        print_positions(&b, 1 + g->n_columns);
        buf_printf(&b,
                   " FROM minisql_rows(?%d) LIMIT -1) AS \"minisql_new\" ON "
                   "\"minisql_new\".c1 = \"minisql_source\".c1",
                   g->returned);
    }
    return add_stage(g, &b);
}

/* The stages of one INSERT, UPDATE, DELETE. *ret: the one that gives its RETURNING; *ret_changing:
 * the one whose changes count. Indexes, since the array grows. */
static struct error *stage_write(struct stager *g, const struct write *w, int *ret,
                                 int *ret_changing)
{
    if (g->packed[w->target->id])
        define_target(g, w);
    if (returning_is_plain(w) && !is_shared(g, w)) {
        const struct sql_emit how = hooks(g);
        _cleanup_(buf_done) struct buf b = {0};
        TRY(sql_emit_write(w, false, &how, &b));
        add_stage(g, &b)->write = w;
        *ret = *ret_changing = g->st->n_stages - 1;
        return NULL;
    }
    int param = 0;
    g->n_columns = 0;
    g->write = w;
    for (int i = 0; i < w->n_returning; i++)
        expr_walk(w->returning[i].expr, true, collect_column, g);
    g->first_column = w->kind == QUERY_INSERT ? 1 : 2 + w->n_set;
    g->returned = 0;
    for (int i = 0; i < MIN(g->n_columns, TYPES_MAX_PACKED) && !g->returned; i++)
        g->returned = is_generated(w, g->columns[i]) ? new_param(g) : 0;
    if (w->kind == QUERY_INSERT) {
        TRY(insert_returning(g, w, &param));
    } else {
        TRY(select_changes(g, w, &param));
        apply_changes(g, w, param)->write = w;
    }
    if (is_shared(g, w))
        g->parts[g->n_parts++] = (struct part){.table = w->target->table, .param = param};
    *ret_changing = *ret = g->st->n_stages - 1;
    if (w->n_returning) {
        select_returning(g, w, param);
        *ret = g->st->n_stages - 1;
    }
    g->write = NULL;
    g->returned = 0;
    return NULL;
}

/* The rows that a part of MERGE inserts, packed; then the INSERT of them. */
static struct error *select_inserts(struct stager *g, const struct write *w, int *ret_param)
{
    const struct sql_emit how = hooks(g);
    _cleanup_(buf_done) struct buf b = {0};
    TRY(too_wide(w->select->n_targets, "a table in MERGE"));
    TRY(sql_emit_select(w->select, &how, &b));
    add_stage(g, &b)->param = *ret_param = new_param(g);
    return NULL;
}

static struct plan_stage *apply_inserts(struct stager *g, const struct write *w, int param)
{
    const struct table *t = w->target->table;
    _cleanup_(buf_done) struct buf b = {0};
    buf_puts(&b, "INSERT INTO ");
    sql_quote(table_file_name(t), &b);
    for (int i = 0; i < w->n_given; i++) {
        buf_puts(&b, i ? ", " : " (");
        sql_quote(t->columns[w->given[i]].name, &b);
    }
    buf_puts(&b, ") ");
    print_positions(&b, w->n_given);
    buf_printf(&b, " FROM minisql_rows(?%d)", param);
    return add_stage(g, &b);
}

/* All parts find their rows, and then all change them. */
static struct error *stage_merge(struct stager *g, const struct write *w)
{
    int *params = ARENA_ARRAY(&g->p->arena, int, MAX(w->n_parts, 1));
    g->once = true;
    for (int i = 0; i < w->n_parts; i++) {
        g->n_columns = 0;
        if (w->parts[i]->kind == QUERY_INSERT)
            TRY(select_inserts(g, w->parts[i], &params[i]));
        else
            TRY(select_changes(g, w->parts[i], &params[i]));
    }
    for (int i = 0; i < w->n_parts; i++) {
        const struct write *part = w->parts[i];
        struct plan_stage *s = part->kind == QUERY_INSERT ? apply_inserts(g, part, params[i])
                                                          : apply_changes(g, part, params[i]);
        s->write = part;
        s->counted = true;
    }
    return NULL;
}

/* A data-modifying CTE, which sees those before it. */
static struct error *stage_cte(struct stager *g, const struct select *s, int i)
{
    const struct cte *c = s->ctes[i];
    size_t len = g->with.len;
    TRY(too_wide(c->n_columns, "a data-modifying WITH query"));
    const struct sql_emit how = hooks(g);
    _cleanup_(buf_done) struct buf before = {0};
    sql_emit_ctes(s->ctes, i, &how, &before);
    if (before.len) {
        buf_puts(&g->with, len ? ", " : "");
        buf_append(&g->with, before.data, before.len);
    }
    int giving, changing;
    TRY(stage_write(g, c->write, &giving, &changing));
    g->with.len = len;
    if (g->with.data)
        g->with.data[len] = 0;
    if (c->n_columns)
        g->st->stages[giving].param = new_param(g);
    g->ctes[g->n_ctes] = c;
    g->cte_params[g->n_ctes++] = g->st->stages[giving].param;
    return NULL;
}

static struct error *stage_main(struct stager *g)
{
    const struct query *q = g->p->query;
    int giving, changing;
    if (q->write && q->write->kind == QUERY_MERGE)
        return stage_merge(g, q->write);
    if (q->write) {
        TRY(stage_write(g, q->write, &giving, &changing));
    } else {
        const struct sql_emit how = hooks(g);
        _cleanup_(buf_done) struct buf b = {0};
        TRY(sql_emit_select(q->select, &how, &b));
        add_stage(g, &b);
        giving = changing = g->st->n_stages - 1;
    }
    g->st->stages[giving].to_client = true;
    g->st->stages[changing].counted = true;
    return NULL;
}

static struct error *stage_all(struct stager *g)
{
    const struct select *s = main_select(g->p->query);
    find_order(g);
    TRY(find_changes(g));
    find_late(g);
    TRY(pull(g));
    TRY(pull_targets(g));
    g->st->signature = signature(g->st);
    g->parts = ARENA_ARRAY(&g->p->arena, struct part, s->n_ctes + 1);
    g->ctes = ARENA_ARRAY(&g->p->arena, const struct cte *, MAX(s->n_ctes, 1));
    g->cte_params = ARENA_ARRAY(&g->p->arena, int, MAX(s->n_ctes, 1));
    for (int i = 0; i < g->n_order; i++)
        TRY(g->order[i] == MAIN ? stage_main(g) : stage_cte(g, s, g->order[i]));
    return NULL;
}

struct error *plan__stages(struct plan *p)
{
    const struct query *q = p->query;
    struct stager *g = ARENA_NEW(&p->arena, struct stager);
    g->p = p;
    g->st = p->staged = ARENA_NEW(&p->arena, struct plan_staged);
    g->st->first_param = q->n_params + q->n_hidden + 1;
    g->late = ARENA_ARRAY(&p->arena, bool, MAX(q->n_rtes, 1));
    g->packed = ARENA_ARRAY(&p->arena, int, MAX(q->n_rtes, 1));
    struct error *e = stage_all(g);
    buf_done(&g->with);
    return e;
}
