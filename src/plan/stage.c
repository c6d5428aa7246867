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
 * changes, be it through a foreign key's action. Two parts that change rows of one table would see
 * each other's effect in SQLite and do not in PostgreSQL: that is refused, except for an INSERT
 * after something else.
 *
 * Packed rows stand in each stage's WITH as pulled_<rte id>, with the table's column names.
 */
#include "plan/plan_int.h"

struct stager {
    struct plan *p;
    struct plan_staged *st;
    bool once;     /* a row that several rows change is an error: MERGE's rule */
    bool *changed; /* of view->tables: what the statement may change */
    bool *late;    /* by rte id: read after something was written */
    int *packed;   /* by rte id: the parameter that holds its rows; 0: none */
    int n_ctes;    /* data-modifying ones that have run */
    const struct cte **ctes;
    int *cte_params;
    struct buf with; /* definitions of what is packed */
    /* of the RETURNING that is being printed: column of an entry -> column of the packed rows */
    int n_columns;
    struct expr *columns[TYPES_MAX_PACKED];
    int first_column;
    const struct write *write;
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

/* All but what the first data-modifying CTE reads in order to change something. */
static void find_late(struct stager *g)
{
    const struct query *q = g->p->query;
    const struct select *s = main_select(q);
    bool first = true;
    for (int i = 0; i < s->n_ctes; i++) {
        const struct write *w = s->ctes[i]->write;
        if (w && first) {
            for (int k = 0; k < w->n_returning; k++)
                expr_walk(w->returning[k].expr, false, mark_expr, g);
            first = false;
        } else if (w) {
            mark_write(g, w);
        } else {
            mark_select(g, s->ctes[i]->select);
        }
    }
    for (int i = 0; q->write && i < q->write->n_returning; i++)
        expr_walk(q->write->returning[i].expr, false, mark_expr, g);
    if (first)
        return;
    struct select without = *s;
    without.n_ctes = 0;
    mark_select(g, &without);
    if (q->write) {
        struct write w = *q->write;
        w.select = &without;
        mark_write(g, &w);
    }
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
    bool adds = w->kind == QUERY_INSERT && !(w->conflict && w->conflict->update);
    if (g->changed[i] && !adds)
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
    const struct query *q = g->p->query;
    const struct select *s = main_select(q);
    g->changed = ARENA_ARRAY(&g->p->arena, bool, MAX(g->p->view->n_tables, 1));
    for (int i = 0; i < s->n_ctes; i++)
        if (s->ctes[i]->write)
            TRY(add_change(g, s->ctes[i]->write));
    if (q->write)
        TRY(add_change(g, q->write));
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
        }
}

static int packed_column(const struct stager *g, const struct expr *e)
{
    for (int i = 0; i < g->n_columns; i++)
        if (g->columns[i]->col.rte == e->col.rte && g->columns[i]->col.column == e->col.column)
            return g->first_column + i;
    return -1;
}

/* A column in a RETURNING: of the packed rows. One that was assigned has its new value. */
static bool print_column(void *ctx, const struct expr *e, struct buf *out)
{
    const struct stager *g = ctx;
    if (e->kind != EXPR_COLUMN || !g->write)
        return false;
    int at = packed_column(g, e);
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
        return error_hint(error_new(E_UNSUPPORTED,
                                    "this RETURNING is not supported for table \"%s\"",
                                    w->target->table->name),
                          "It has columns called rowid, _rowid_ and oid: rename one.");
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
    return add_stage(g, &b);
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
    return add_stage(g, &b);
}

/* The stages of one INSERT, UPDATE, DELETE. *ret: the one that gives its RETURNING; *ret_changing:
 * the one whose changes count. Indexes, since the array grows. */
static struct error *stage_write(struct stager *g, const struct write *w, int *ret,
                                 int *ret_changing)
{
    if (returning_is_plain(w)) {
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
    if (w->kind == QUERY_INSERT) {
        TRY(insert_returning(g, w, &param));
    } else {
        TRY(select_changes(g, w, &param));
        apply_changes(g, w, param)->write = w;
    }
    *ret_changing = g->st->n_stages - 1;
    select_returning(g, w, param);
    *ret = g->st->n_stages - 1;
    g->write = NULL;
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

/* Data-modifying CTEs, in their order; each sees those before it. */
static struct error *stage_ctes(struct stager *g, const struct select *s)
{
    g->ctes = ARENA_ARRAY(&g->p->arena, const struct cte *, MAX(s->n_ctes, 1));
    g->cte_params = ARENA_ARRAY(&g->p->arena, int, MAX(s->n_ctes, 1));
    size_t len = g->with.len;
    for (int i = 0; i < s->n_ctes; i++) {
        const struct cte *c = s->ctes[i];
        if (!c->write)
            continue;
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
    }
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
    TRY(find_changes(g));
    find_late(g);
    TRY(pull(g));
    g->st->signature = signature(g->st);
    TRY(stage_ctes(g, main_select(g->p->query)));
    return stage_main(g);
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
