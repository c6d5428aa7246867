/*
 * EXPLAIN: which kind of plan, which regions and servers it touches, what they are sent, and
 * SQLite's own plan where SQLite runs it. EXPLAIN ANALYZE runs the statement, drops its rows, and
 * says how many there were and how long it took. Of FORMAT JSON all is one value.
 */
#include "exec/exec_int.h"

static struct error *line(struct run *r, const struct buf *b)
{
    const struct value v = {.kind = VALUE_TEXT, .s = {b->data, b->len}};
    if (r->lines) {
        buf_append(r->lines, b->data, b->len);
        buf_append(r->lines, "", 1);
        return NULL;
    }
    r->given = true;
    return r->sink->row(r->sink->ctx, &v, 1);
}

static struct error *linef(struct run *r, const char *format, ...) PRINTF_LIKE(2, 3);
static struct error *linef(struct run *r, const char *format, ...)
{
    _cleanup_(buf_done) struct buf b = {0};
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&b, format, ap);
    va_end(ap);
    return line(r, &b);
}

/* ---- SQLite's plan -------------------------------------------------------------------------- */

struct tree {
    struct run *r;
    int indent;
    int64_t parents[64];
    int depth;
};

/* Rows of EXPLAIN QUERY PLAN: id, parent, unused, text. */
static struct error *plan_row(void *ctx, const struct value *v, int n)
{
    struct tree *t = ctx;
    if (n != 4 || v[0].kind != VALUE_INT || v[1].kind != VALUE_INT || v[3].kind != VALUE_TEXT)
        return NULL;
    while (t->depth > 0 && t->parents[t->depth - 1] != v[1].i)
        t->depth--;
    struct error *e =
        linef(t->r, "%*s-> %.*s", t->indent + 2 * t->depth, "", (int)v[3].s.n, v[3].s.p);
    if (t->depth < (int)ARRAY_LEN(t->parents))
        t->parents[t->depth++] = v[0].i;
    return e;
}

static struct error *explain_sql(struct run *r, uint64_t region, uint64_t schema_version,
                                 const char *sql, int indent)
{
    struct tree t = {.r = r, .indent = indent};
    char *text = mem_printf("EXPLAIN QUERY PLAN %s", sql);
    struct error *e = exec__read(r, region, schema_version, text, strlen(text), NULL, plan_row, &t);
    mem_free(text);
    return e;
}

/* ---- the kinds ------------------------------------------------------------------------------ */

static struct error *where(struct run *r, uint64_t region, struct buf *out)
{
    struct place at;
    if (region == CATALOG_TEMP_REGION) {
        buf_puts(out, "temporary tables of the session");
        return NULL;
    }
    struct error *e = exec__place(r->e, region, &at);
    if (error_is(e, E_STALE_SCHEMA))
        return e;
    buf_printf(out, "region %llu, primary %s", (unsigned long long)region, e ? "none" : at.server);
    error_free(e);
    return NULL;
}

static struct error *explain_scan(struct run *r, const struct plan_scan *s, int indent)
{
    _cleanup_(buf_done) struct buf b = {0};
    buf_printf(&b, "%*sScan of %s (", indent, "", s->rte->table->name);
    if (s->region == 0)
        buf_puts(&b, "from the catalog");
    else
        TRY(where(r, s->region, &b));
    buf_puts(&b, ")");
    TRY(line(r, &b));
    if (s->region == 0)
        return NULL;
    TRY(linef(r, "%*sSQLite: %s", indent + 2, "", s->sql));
    return explain_sql(r, s->region, s->schema_version, s->sql, indent + 2);
}

static struct error *explain_stages(struct run *r)
{
    const struct plan *p = r->plan;
    const struct plan_staged *st = p->staged;
    for (int i = 0; i < st->n_scans; i++)
        TRY(explain_scan(r, &st->scans[i], 2));
    for (int i = 0; i < st->n_stages; i++) {
        TRY(linef(r, "  Stage %d", i + 1));
        TRY(linef(r, "    SQLite: %s", st->stages[i].sql));
        TRY(explain_sql(r, p->region, p->schema_version, st->stages[i].sql, 4));
    }
    return NULL;
}

static struct error *explain_region(struct run *r)
{
    const struct plan *p = r->plan;
    _cleanup_(buf_done) struct buf b = {0};
    buf_puts(&b, p->writes ? "Write in one region (" : "Read in one region (");
    TRY(where(r, p->region, &b));
    buf_puts(&b, ")");
    TRY(line(r, &b));
    if (p->staged)
        return explain_stages(r);
    TRY(linef(r, "  SQLite: %s", p->sql));
    if (p->query->kind == QUERY_TRUNCATE)
        return NULL;
    return explain_sql(r, p->region, p->schema_version, p->sql, 2);
}

static struct error *explain_gather(struct run *r, const char *title, int indent)
{
    const struct plan_gather *g = r->plan->gather;
    TRY(linef(r, "%*s%s", indent, "", title));
    TRY(linef(r, "%*sSQLite: %s", indent + 2, "", g->sql));
    for (int i = 0; i < g->n_scans; i++)
        TRY(explain_scan(r, &g->scans[i], indent + 2));
    return NULL;
}

static void print_key(struct buf *out, const struct plan_batch *b, const struct plan_slot *s)
{
    const struct plan_scan *scan = &b->scans[s->scan];
    int column = scan->sub ? 0 : scan->columns[s->column];
    if (scan->sub)
        sql_emit_expr(scan->sub->select->targets[s->column].expr, NULL, out);
    else if (column >= 0)
        buf_printf(out, "%s.%s", scan->rte->name, scan->rte->columns[column].name);
    else
        sql_emit_expr(scan->computed[-1 - column], NULL, out);
}

static struct error *explain_join(struct run *r, const struct plan_batch *b, int i, int indent)
{
    const struct plan_join *j = &b->joins[i];
    _cleanup_(buf_done) struct buf out = {0};
    static const char *const kinds[] = {"join", "left join", "semi join", "anti join"};
    const struct rte *with = b->scans[j->scan].rte;
    buf_printf(&out, "%*s%s %s with %s", indent, "",
               j->n_keys                    ? "Hash"
               : j->kind == PLAN_JOIN_INNER ? "Cross"
                                            : "Nested",
               kinds[j->kind], with ? with->name : "a subquery");
    for (int k = 0; k < j->n_keys; k++) {
        const struct plan_slot inner = {.scan = j->scan, .column = j->inner[k]};
        buf_puts(&out, k == 0 ? " on " : " and ");
        print_key(&out, b, &j->outer[k]);
        buf_puts(&out, j->key_nulls[k] ? " IS NOT DISTINCT FROM " : " = ");
        print_key(&out, b, &inner);
    }
    if (j->n_on > 0)
        buf_printf(&out, ", %d more condition%s", j->n_on, j->n_on == 1 ? "" : "s");
    return line(r, &out);
}

static struct error *explain_batch(struct run *r, const struct plan_batch *b, const char *title,
                                   int indent)
{
    TRY(linef(r, "%*s%s%s", indent, "", title, b->n_joins > 0 ? ", hash joins" : ""));
    indent += 2;
    if (b->grouped)
        TRY(linef(r, "%*sHash aggregate: %d key%s, %d aggregate%s", indent, "", b->n_group,
                  b->n_group == 1 ? "" : "s", b->n_aggs, b->n_aggs == 1 ? "" : "s"));
    for (int i = b->n_joins - 1; i >= 0; i--)
        TRY(explain_join(r, b, i, indent));
    for (int i = 0; i < b->n_scans; i++) {
        const struct plan_scan *s = &b->scans[i];
        if (s->sub)
            TRY(explain_batch(r, s->sub, s->rte ? s->rte->name : "Subquery", indent));
        else
            TRY(explain_scan(r, s, indent));
    }
    for (int i = 0; i < b->n_subs; i++)
        if (b->subs[i].once)
            TRY(explain_batch(r, b->subs[i].once, "Once", indent));
    return NULL;
}

static struct error *explain_insert(struct run *r)
{
    _cleanup_(buf_done) struct buf b = {0};
    buf_puts(&b, "Insert rows from elsewhere (");
    TRY(where(r, r->plan->region, &b));
    buf_puts(&b, ")");
    TRY(line(r, &b));
    TRY(linef(r, "  SQLite: %s", r->plan->sql));
    return explain_gather(r, "Gather", 2);
}

static struct error *explain_kind(struct run *r)
{
    switch (r->plan->kind) {
    case PLAN_CONSTANT:
        TRY(linef(r, "No table"));
        return linef(r, "  SQLite: %s", r->plan->sql);
    case PLAN_REGION:
        return explain_region(r);
    case PLAN_BATCH:
        return explain_batch(r, r->plan->batch, "Batches of columns", 0);
    case PLAN_GATHER:
        return explain_gather(r, "Gather into a temporary SQLite database", 0);
    case PLAN_INSERT:
        return explain_insert(r);
    case PLAN_TRUNCATE:
        return linef(r, "Write in several regions");
    case PLAN_DDL:
        break;
    }
    return error_new(E_INTERNAL, "nothing to explain");
}

/* ---- ANALYZE -------------------------------------------------------------------------------- */

static struct error *drop_row(void *ctx, const struct value *values, int n)
{
    return NULL;
}

static bool always(void *ctx)
{
    return true;
}

static struct error *analyze(struct run *r, double *ret_ms)
{
    const struct exec_sink nowhere = {.row = drop_row, .reset = always};
    const struct exec_sink *sink = r->sink;
    uint64_t start = clock_us();
    r->sink = &nowhere;
    r->rows = 0;
    struct error *e = exec__attempt(r);
    r->sink = sink;
    r->given = true;
    *ret_ms = (double)(clock_us() - start) / 1000;
    return e;
}

static struct error *explain_text(struct run *r)
{
    double ms;
    TRY(explain_kind(r));
    if (!r->plan->analyze)
        return NULL;
    TRY(analyze(r, &ms));
    return linef(r, "%s: %lld   Execution time: %.3f ms", r->plan->writes ? "Rows changed" : "Rows",
                 (long long)r->rows, ms);
}

/* ---- FORMAT JSON: the lines as a tree, in PostgreSQL's layout ------------------------------- */

static int indent_of(const char *line)
{
    return (int)strspn(line, " ");
}

/* A line and what is indented below it; gives what follows. `rows` -1: they are not known. */
static const char *put_node(const char *p, const char *end, int depth, int64_t rows,
                            struct buf *out)
{
    int indent = indent_of(p);
    const char *text = p + indent + (strncmp(p + indent, "-> ", 3) == 0 ? 3 : 0);
    buf_printf(out, "{\n%*s\"Node Type\": ", depth + 2, "");
    types_json_quote(text, strlen(text), out);
    if (rows >= 0)
        buf_printf(out, ",\n%*s\"Actual Rows\": %lld", depth + 2, "", (long long)rows);
    p += strlen(p) + 1;
    bool any = false;
    for (; p < end && indent_of(p) > indent; any = true) {
        if (any)
            buf_printf(out, ",\n%*s", depth + 4, "");
        else
            buf_printf(out, ",\n%*s\"Plans\": [\n%*s", depth + 2, "", depth + 4, "");
        p = put_node(p, end, depth + 4, -1, out);
    }
    if (any)
        buf_printf(out, "\n%*s]", depth + 2, "");
    buf_printf(out, "\n%*s}", depth, "");
    return p;
}

static struct error *explain_json(struct run *r)
{
    _cleanup_(buf_done) struct buf lines = {0}, out = {0};
    double ms = 0;
    r->lines = &lines;
    struct error *e = explain_kind(r);
    r->lines = NULL;
    TRY(e);
    if (r->plan->analyze)
        TRY(analyze(r, &ms));
    buf_puts(&out, "[\n  {\n    \"Plan\": ");
    put_node(lines.data, lines.data + lines.len, 4, r->plan->analyze ? r->rows : -1, &out);
    if (r->plan->analyze)
        buf_printf(&out, ",\n    \"Triggers\": [\n    ],\n    \"Execution Time\": %.3f", ms);
    buf_puts(&out, "\n  }\n]");
    return line(r, &out);
}

struct error *exec__explain(struct run *r)
{
    TRY(r->plan->json ? explain_json(r) : explain_text(r));
    r->rows = 0;
    return NULL;
}
