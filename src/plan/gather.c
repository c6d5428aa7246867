/*
 * Gather plans: what is needed of each table reference goes into a table of its own in a private
 * SQLite database, and the whole statement runs there.
 *
 * A reference brings the columns that the statement reads and the rows that pass its filters
 * (sql.h: those that keep their meaning below every join). The filters stay in the statement, too,
 * so that nothing hangs on their having run. The pulled tables have no column types: values arrive
 * as they were stored, and no affinity touches them.
 */
#include "plan/plan_int.h"

void plan__scan(struct plan *p, const struct rte *rte, int n_columns, int *columns,
                struct expr **computed, struct expr *const *filters, int n_filters,
                struct plan_scan *ret)
{
    ret->rte = rte;
    ret->region = rte->table->id == 0 ? 0 : rte->table->region;
    const struct region *r = ret->region ? catalog_region(p->view, ret->region) : NULL;
    ret->schema_version = r ? r->schema_version : 0;
    ret->n_columns = n_columns;
    ret->columns = columns;
    ret->computed = computed;
    ret->types = ARENA_ARRAY(&p->arena, uint32_t, MAX(n_columns, 1));
    for (int i = 0; i < n_columns; i++)
        ret->types[i] =
            columns[i] < 0 ? computed[-1 - columns[i]]->type : rte->columns[columns[i]].type;
    _cleanup_(buf_done) struct buf b = {0};
    sql_emit_scan(rte, columns, n_columns, computed, filters, n_filters, NULL, &b);
    ret->sql = plan__text(p, &b, &ret->sql_len);
}

/* The row's number, as the only thing that a scan computes: COLUMN_ROWID is its place. */
struct expr **plan__row_number(struct plan *p, const struct rte *r)
{
    struct expr *e = ARENA_NEW(&p->arena, struct expr),
                **list = ARENA_NEW(&p->arena, struct expr *);
    *e = (struct expr){.kind = EXPR_COLUMN, .type = OID_TID, .typmod = -1};
    e->col.rte = (struct rte *)(uintptr_t)r;
    e->col.column = COLUMN_ROWID;
    *list = e;
    return list;
}

static int *used_columns(struct plan *p, const struct rte *r, int *ret_n)
{
    int n = 0;
    int *columns = ARENA_ARRAY(&p->arena, int, r->n_columns + 1);
    if (r->rowid)
        columns[n++] = COLUMN_ROWID;
    for (int i = 0; i < r->n_columns; i++)
        if (r->columns[i].used)
            columns[n++] = i;
    *ret_n = n;
    return columns;
}

static bool find_system(void *ctx, const struct expr *e)
{
    if (e->kind == EXPR_FUNC && (e->call.func->system || e->call.func->volatile_))
        *(bool *)ctx = true;
    return true;
}

bool plan__runs_alone(const struct expr *e)
{
    bool system = false;
    expr_walk(e, false, find_system, &system);
    return !system && !expr_has_subquery(e);
}

/* It is read again for each row around it, and then perhaps not all of it. */
static bool is_correlated(const struct rte *r)
{
    bool ret = false;
    for (const struct select *s = r->owner; s; s = s->parent)
        ret |= s->correlated;
    return ret;
}

/* Of what may fail no more is to be computed there than the statement would. */
static struct expr **scan_filters(struct plan *p, const struct rte *r, int *ret_n)
{
    int n = 0;
    bool correlated = is_correlated(r);
    struct expr **filters = ARENA_ARRAY(&p->arena, struct expr *, MAX(r->n_filters, 1));
    for (int i = 0; i < r->n_filters; i++)
        if (plan__runs_alone(r->filters[i]) && !(correlated && expr_may_fail(r->filters[i])))
            filters[n++] = r->filters[i];
    *ret_n = n;
    return filters;
}

void plan__scan_used(struct plan *p, const struct rte *rte, struct plan_scan *ret)
{
    int n_columns, n_filters;
    int *columns = used_columns(p, rte, &n_columns);
    struct expr **filters = scan_filters(p, rte, &n_filters);
    plan__scan(p, rte, n_columns, columns, rte->rowid ? plan__row_number(p, rte) : NULL, filters,
               n_filters, ret);
}

/* The texts that make and fill the table of scan i. A reference of which no column is read still
 * counts rows. The rows' numbers, where they are read, become those of the table. */
static void table_texts(struct plan *p, struct plan_gather *g, int i)
{
    const struct plan_scan *s = &g->scans[i];
    _cleanup_(buf_done) struct buf create = {0}, insert = {0}, values = {0};
    int given = 0;
    g->names[i] = arena_printf(&p->arena, "pulled_%d", s->rte->id);
    buf_printf(&create, "CREATE TABLE \"%s\" (", g->names[i]);
    buf_printf(&insert, "INSERT INTO \"%s\" (", g->names[i]);
    for (int c = 0; c < s->n_columns; c++) {
        const char *name = sql_scan_column(s->rte, s->columns[c]);
        buf_puts(&insert, c > 0 ? ", " : "");
        sql_quote(name, &insert);
        buf_printf(&values, "%s?%d", c > 0 ? ", " : "", c + 1);
        if (s->columns[c] == COLUMN_ROWID)
            continue;
        buf_puts(&create, given++ > 0 ? ", " : "");
        sql_quote(name, &create);
    }
    buf_puts(&create, given > 0 ? ")" : "\"minisql_one\")");
    buf_printf(&insert, "%s) VALUES (%s)", s->n_columns > 0 ? "" : "\"minisql_one\"",
               s->n_columns > 0 ? values.data : "NULL");
    size_t len;
    g->creates[i] = (char *)plan__text(p, &create, &len);
    g->inserts[i] = (char *)plan__text(p, &insert, &len);
}

static bool print_pulled(void *ctx, const struct rte *r, struct buf *out)
{
    if (r->kind != RTE_TABLE)
        return false;
    buf_printf(out, "\"pulled_%d\"", r->id);
    return true;
}

struct error *plan__gather(struct plan *p, const struct select *s, struct plan_gather **ret)
{
    const struct query *q = p->query;
    struct plan_gather *g = ARENA_NEW(&p->arena, struct plan_gather);
    g->scans = ARENA_ARRAY(&p->arena, struct plan_scan, q->n_rtes);
    g->names = ARENA_ARRAY(&p->arena, char *, q->n_rtes);
    g->creates = ARENA_ARRAY(&p->arena, char *, q->n_rtes);
    g->inserts = ARENA_ARRAY(&p->arena, char *, q->n_rtes);
    for (int i = 0; i < q->n_rtes; i++) {
        const struct rte *r = q->rtes[i];
        if (r->kind != RTE_TABLE || r->target)
            continue;
        plan__scan_used(p, r, &g->scans[g->n_scans]);
        table_texts(p, g, g->n_scans++);
    }
    const struct sql_emit how = {.table = print_pulled};
    _cleanup_(buf_done) struct buf b = {0};
    TRY(sql_emit_select(s, &how, &b));
    g->sql = plan__text(p, &b, &g->sql_len);
    *ret = g;
    return NULL;
}
