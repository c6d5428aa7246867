/*
 * Expressions -> SQLite text.
 *
 * Everything that is not a plain name, literal or call is put in parentheses, so that no rule of
 * precedence has to be known. SQLite's expression depth is limited to 1,000: long AND and OR chains
 * are printed as balanced trees. How a function, operator or cast is written says its row in
 * types/.
 */
#include "emit_int.h"

#include <math.h>
#include <stdio.h>

void sql_quote(const char *name, struct buf *out)
{
    buf_puts(out, "\"");
    for (const char *p = name; *p;) {
        size_t n = strcspn(p, "\"");
        buf_append(out, p, n);
        p += n;
        if (*p == '"') {
            buf_puts(out, "\"\"");
            p++;
        }
    }
    buf_puts(out, "\"");
}

static void quote_text(const char *p, size_t n, struct buf *out)
{
    buf_puts(out, "'");
    for (size_t i = 0; i < n;) {
        const char *quote = memchr(p + i, '\'', n - i);
        size_t run = quote ? (size_t)(quote - (p + i)) : n - i;
        buf_append(out, p + i, run);
        i += run;
        if (quote) {
            buf_puts(out, "''");
            i++;
        }
    }
    buf_puts(out, "'");
}

static void print_real(double r, struct buf *out)
{
    if (isnan(r)) {
        buf_puts(out, "(+CAST(X'4e614e00' AS TEXT))"); /* VALUE_NAN_MARK, without affinity */
        return;
    }
    if (isinf(r)) {
        buf_puts(out, r > 0 ? "9e999" : "(-9e999)");
        return;
    }
    char text[40];
    snprintf(text, sizeof(text), "%.17g", r);
    if (!strpbrk(text, ".e"))
        strcat(text, ".0");
    buf_printf(out, signbit(r) ? "(%s)" : "%s", text);
}

void sql_emit_value(const struct value *v, uint32_t type, struct buf *out)
{
    (void)type;
    switch (v->kind) {
    case VALUE_NULL:
        buf_puts(out, "NULL");
        break;
    case VALUE_INT: {
        char text[24];
        int n = snprintf(text, sizeof(text), v->i < 0 ? "(%lld)" : "%lld", (long long)v->i);
        buf_append(out, text, (size_t)n);
        break;
    }
    case VALUE_REAL:
        print_real(v->r, out);
        break;
    case VALUE_TEXT:
        quote_text(v->s.p, v->s.n, out);
        break;
    case VALUE_BLOB:
        buf_puts(out, "X'");
        for (size_t i = 0; i < v->s.n; i++)
            buf_printf(out, "%02x", (unsigned char)v->s.p[i]);
        buf_puts(out, "'");
        break;
    }
}

const char *sql__collation(uint32_t type)
{
    const struct type *t = type_by_oid(type);
    return t && t->collate ? t->collate : "";
}

void sql__emit_compared(struct emitter *em, const struct expr *e)
{
    sql__emit_expr(em, e);
    buf_puts(em->out, sql__collation(e->type));
}

void sql__emit_expr_list(struct emitter *em, struct expr *const *list, int n, const char *between)
{
    for (int i = 0; i < n; i++) {
        if (i)
            buf_puts(em->out, between);
        sql__emit_expr(em, list[i]);
    }
}

/* a op b op c .., as a tree of depth log n where the chain is long */
void sql__emit_conjunction(struct emitter *em, struct expr *const *list, int n, const char *op)
{
    enum { CHAIN = 16 };
    if (n <= CHAIN) {
        sql__emit_expr_list(em, list, n, op);
        return;
    }
    buf_puts(em->out, "(");
    sql__emit_conjunction(em, list, n / 2, op);
    buf_puts(em->out, ")");
    buf_puts(em->out, op);
    buf_puts(em->out, "(");
    sql__emit_conjunction(em, list + n / 2, n - n / 2, op);
    buf_puts(em->out, ")");
}

/* ---- columns
 * --------------------------------------------------------------------------------------------- */

static void column(struct emitter *em, const struct expr *e)
{
    const struct rte *r = e->col.rte;
    if (!em->all_bare && r != em->bare) {
        sql_quote(r->label, em->out);
        buf_puts(em->out, ".");
    }
    if (e->col.column == COLUMN_ROWID) {
        buf_puts(em->out, sql_rowid_name(r->table));
        return;
    }
    switch (r->kind) {
    case RTE_TABLE:
        sql_quote(r->table->columns[e->col.column].name, em->out);
        break;
    case RTE_EXCLUDED:
        sql_quote(r->table->columns[e->col.column].name, em->out);
        break;
    default:
        buf_printf(em->out, "c%d", e->col.column + 1);
    }
}

/* ---- calls
 * ------------------------------------------------------------------------------------------------
 */

/* The argument as the function wants it: as text where its row takes any type, and char(n) with its
 * blanks where they count. */
static void argument(struct emitter *em, const struct expr *e, int i)
{
    const struct func *f = e->call.func;
    const struct expr *arg = e->args[i];
    bool more = false;
    const struct func *output =
        func_takes_text(f, i, e->n_args, arg->type) ? type_output_func(arg->type, &more) : NULL;
    if (!output) {
        sql__emit_expr(em, arg);
        return;
    }
    struct expr second = {
        .kind = EXPR_CONST,
        .type = OID_INT8,
        .typmod = -1,
        .value = {.kind = VALUE_INT, .i = type_output_arg(arg->type, arg->typmod)}};
    struct expr *args[2] = {(struct expr *)arg, &second};
    struct expr call = {.kind = EXPR_FUNC,
                        .type = OID_TEXT,
                        .n_args = more ? 2 : 1,
                        .args = args,
                        .call = {.func = output}};
    sql__emit_expr(em, &call);
}

/* DISTINCT compares by the collation that the argument is written with. */
static void distinct_argument(struct emitter *em, const struct expr *e)
{
    buf_puts(em->out, "DISTINCT ");
    argument(em, e, 0);
    buf_puts(em->out, sql__collation(e->args[0]->type));
}

/* $1 .. $4 and $C of a row's template. */
static void template(struct emitter *em, const struct expr *e, const char *text)
{
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "$");
        buf_append(em->out, p, n);
        p += n;
        if (*p != '$')
            continue;
        if (p[1] == 'C') {
            buf_puts(em->out, sql__collation(e->args[0]->type));
            p += 2;
            continue;
        }
        int i = p[1] - '1';
        bool distinct = i == 0 && e->kind != EXPR_CAST && e->call.distinct;
        if (distinct)
            distinct_argument(em, e);
        else if (i < e->n_args)
            argument(em, e, i);
        p += 2;
    }
}

/* types/sorted.c */
static void sorted_call(struct emitter *em, const struct expr *e)
{
    const struct func *f = e->call.func;
    buf_printf(em->out, "%s_sorted('%d%s", f->sqlite_name, e->n_args, e->call.distinct ? "d" : "");
    for (int i = 0; i < e->call.n_order; i++) {
        const struct order_item *o = &e->call.order[i];
        buf_printf(em->out, " %u.%d", o->expr->type, o->descending + 2 * o->nulls_first);
    }
    buf_puts(em->out, "'");
    em->direct = f->kind == FUNC_ORDERED;
    for (int i = 0; i < e->n_args; i++) {
        buf_puts(em->out, ", ");
        argument(em, e, i);
    }
    em->direct = false;
    for (int i = 0; i < e->call.n_order; i++) {
        buf_puts(em->out, ", ");
        sql__emit_expr(em, e->call.order[i].expr);
    }
    buf_puts(em->out, ")");
}

static void call(struct emitter *em, const struct expr *e)
{
    const struct func *f = e->call.func;
    if (e->kind == EXPR_AGG && e->call.n_order) {
        sorted_call(em, e);
        return;
    }
    const char *text = e->kind == EXPR_WINDOW && f->over_emit ? f->over_emit : f->emit;
    if (text) {
        template(em, e, text);
        return;
    }
    buf_puts(em->out, f->sqlite_name);
    buf_puts(em->out, "(");
    bool distinct = e->kind == EXPR_AGG && e->call.distinct;
    if (distinct)
        distinct_argument(em, e);
    for (int i = distinct; i < e->n_args; i++) {
        if (i)
            buf_puts(em->out, ", ");
        argument(em, e, i);
    }
    buf_puts(em->out, ")");
}

static void filter(struct emitter *em, const struct expr *e)
{
    if (!e->call.filter)
        return;
    buf_puts(em->out, " FILTER (WHERE ");
    sql__emit_condition(em, e->call.filter);
    buf_puts(em->out, ")");
}

static void aggregate(struct emitter *em, const struct expr *e)
{
    const char *of_none = e->call.func->of_none;
    buf_puts(em->out, of_none ? "coalesce(" : "");
    call(em, e);
    filter(em, e);
    if (!of_none)
        return;
    buf_printf(em->out, ", %s(", of_none);
    em->direct = true;
    argument(em, e, 0);
    em->direct = false;
    buf_puts(em->out, "))");
}

/* types/frame.c, which gets the rows to the end of the partition */
static void framed_call(struct emitter *em, const struct expr *e)
{
    const struct window *w = e->call.window;
    const struct expr *offsets[2] = {w->frame_start, w->frame_end};
    buf_puts(em->out, "minisql_over('");
    types_set_key(e->call.func, em->out);
    buf_printf(em->out, " %s %d %u", w->over, e->n_args, e->type);
    for (int i = 0; i < w->n_order; i++)
        buf_printf(em->out, " %u.%d", w->order[i].expr->type,
                   w->order[i].descending + 2 * w->order[i].nulls_first);
    buf_puts(em->out, "', ");
    if (e->call.filter)
        sql__emit_expr(em, e->call.filter);
    else
        buf_puts(em->out, "1");
    for (int i = 0; i < 2; i++) {
        buf_puts(em->out, offsets[i] ? ", " : ", NULL");
        if (offsets[i])
            sql__emit_expr(em, offsets[i]);
    }
    for (int i = 0; i < e->n_args; i++) {
        buf_puts(em->out, ", ");
        argument(em, e, i);
    }
    for (int i = 0; i < w->n_order; i++) {
        buf_puts(em->out, ", ");
        sql__emit_expr(em, w->order[i].expr);
    }
    buf_puts(em->out, ")");
}

static bool is_framed(const struct expr *e)
{
    return e->call.window->over && types_frame_matters(e->call.func);
}

static void frame(struct emitter *em, const struct window *w)
{
    const struct expr *offsets[2] = {w->frame_start, w->frame_end};
    int next = w->frame_start ? 0 : 1;
    for (const char *p = w->frame; *p;) {
        const char *hole = strstr(p, "%s");
        size_t n = hole ? (size_t)(hole - p) : strlen(p);
        buf_append(em->out, p, n);
        p += n;
        if (hole) {
            sql__emit_expr(em, offsets[next++]);
            p += 2;
        }
    }
}

static void over(struct emitter *em, const struct window *w, bool framed)
{
    buf_puts(em->out, " OVER (");
    const char *gap = "";
    if (w->n_partition) {
        buf_puts(em->out, "PARTITION BY ");
        for (int i = 0; i < w->n_partition; i++) {
            if (i)
                buf_puts(em->out, ", ");
            sql__emit_compared(em, w->partition[i]);
        }
        gap = " ";
    }
    if (w->n_order) {
        buf_puts(em->out, gap);
        buf_puts(em->out, "ORDER BY ");
        sql__emit_order(em, w->order, w->n_order);
        gap = " ";
    }
    if (framed) {
        buf_printf(em->out, "%sROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", gap);
    } else if (*w->frame && !w->over) {
        buf_puts(em->out, gap);
        frame(em, w);
    }
    buf_puts(em->out, ")");
}

/* ---- subqueries
 * -------------------------------------------------------------------------------------------- */

static void left_side(struct emitter *em, const struct expr *e)
{
    if (e->n_args == 1) {
        sql__emit_compared(em, e->args[0]);
        return;
    }
    for (int i = 0; i < e->n_args; i++) {
        buf_puts(em->out, i ? ", " : "(");
        sql__emit_compared(em, e->args[i]);
    }
    buf_puts(em->out, ")");
}

static bool equals_a_key(const struct select *s, const struct rte *r, const struct key *k);

/* Can the select give more than one row? */
static bool is_single_row(const struct select *s)
{
    if (s->limit && !s->with_ties && s->limit->kind == EXPR_CONST &&
        s->limit->value.kind == VALUE_INT && s->limit->value.i <= 1)
        return true;
    if (s->kind == SELECT_VALUES)
        return s->n_rows == 1;
    if (s->kind != SELECT_PLAIN)
        return false;
    return s->n_from == 0 || (s->grouped && s->n_group == 0 && !s->n_sets) || sql__reads_one_row(s);
}

bool sql__reads_one_row(const struct select *s)
{
    const struct rte *r = s->kind == SELECT_PLAIN && s->n_from == 1 ? s->from[0]->rte : NULL;
    for (int i = 0; r && r->kind == RTE_TABLE && i < r->table->n_keys; i++) {
        if (equals_a_key(s, r, &r->table->keys[i]))
            return true;
    }
    return false;
}

/* Does a conjunct say r.column = something that does not change with r? */
static bool fixes(const struct expr *e, const struct rte *r, int column)
{
    if (e->kind == EXPR_AND) {
        for (int i = 0; i < e->n_args; i++) {
            if (fixes(e->args[i], r, column))
                return true;
        }
        return false;
    }
    if (e->kind != EXPR_FUNC || e->n_args != 2 || strcmp(e->call.func->name, "=") != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        const struct expr *side = e->args[i], *other = e->args[1 - i];
        while (side->kind == EXPR_CAST && !side->call.func)
            side = side->args[0];
        if (side->kind == EXPR_COLUMN && side->col.rte == r && side->col.column == column &&
            !expr_mentions(other, r) && !expr_has_subquery(other))
            return true;
    }
    return false;
}

static bool equals_a_key(const struct select *s, const struct rte *r, const struct key *k)
{
    for (int i = 0; i < k->n_columns; i++) {
        if (!s->where || !fixes(s->where, r, k->columns[i]))
            return false;
    }
    return k->n_columns > 0 && !k->deferrable;
}

/* SQLite would take the first row in silence. */
void sql__emit_single(struct emitter *em, const struct select *s, enum column_names names)
{
    static const char *const suffixes[] = {
        [VALUE_INT] = "int", [VALUE_REAL] = "real", [VALUE_TEXT] = "text", [VALUE_BLOB] = "blob"};
    for (int i = 0; i < s->n_targets; i++) {
        const struct type *t = type_by_oid(s->targets[i].expr->type);
        buf_printf(em->out, "%sminisql_single_%s(c%d)", i ? ", " : "SELECT ",
                   suffixes[t ? t->storage : VALUE_TEXT], i + 1);
        if (names == NAMES_POSITION)
            buf_printf(em->out, " AS c%d", i + 1);
    }
    buf_puts(em->out, " FROM (");
    sql__emit_select(em, s, NAMES_POSITION);
    buf_puts(em->out, ")");
}

static void scalar_subquery(struct emitter *em, const struct select *s)
{
    buf_puts(em->out, "(");
    if (is_single_row(s))
        sql__emit_select(em, s, NAMES_NONE);
    else
        sql__emit_single(em, s, NAMES_NONE);
    buf_puts(em->out, ")");
}

/* The left side against column c1 of what is called `label`. */
static void test_against(struct emitter *em, const struct expr *e, const struct func *func,
                         const char *label, uint32_t type)
{
    struct rte_column column = {.name = "c1", .type = type, .typmod = -1};
    struct rte r = {.kind = RTE_SUBQUERY, .label = label, .n_columns = 1, .columns = &column};
    struct expr right = {.kind = EXPR_COLUMN, .type = type, .typmod = -1, .col = {.rte = &r}};
    struct expr *args[2] = {e->args[0], &right};
    struct expr test = {
        .kind = EXPR_FUNC, .type = OID_BOOL, .n_args = 2, .args = args, .call = {.func = func}};
    sql__emit_expr(em, &test);
}

/* EXISTS(SELECT 1 FROM (s) AS q WHERE <x op q.c1><suffix>) */
static void probe(struct emitter *em, const struct expr *e, const char *before, const char *after)
{
    char label[32];
    snprintf(label, sizeof(label), "minisql_any_%d", ++em->n_probes);
    buf_puts(em->out, "EXISTS(SELECT 1 FROM (");
    sql__emit_select(em, e->sub.select, NAMES_POSITION);
    buf_printf(em->out, ") AS \"%s\" WHERE %s", label, before);
    if (e->n_args == 1) {
        test_against(em, e, e->sub.func, label, e->sub.select->targets[0].expr->type);
    } else {
        buf_puts(em->out, "(");
        left_side(em, e);
        buf_printf(em->out, " %s ", e->sub.func->name);
        for (int i = 0; i < e->n_args; i++)
            buf_printf(em->out, "%s\"%s\".c%d", i ? ", " : "(", label, i + 1);
        buf_puts(em->out, "))");
    }
    buf_printf(em->out, "%s)", after);
}

/* Three-valued logic, by hand: SQLite has no ANY and ALL. */
static void any_all(struct emitter *em, const struct expr *e)
{
    bool any = e->sub.kind == SUBQUERY_ANY;
    buf_puts(em->out, "CASE WHEN ");
    probe(em, e, any ? "" : "NOT ", "");
    buf_puts(em->out, any ? " THEN 1 WHEN " : " THEN 0 WHEN ");
    probe(em, e, "", " IS NULL");
    buf_puts(em->out, any ? " THEN NULL ELSE 0 END" : " THEN NULL ELSE 1 END");
}

/* ---- op ANY (array), ARRAY(select)
 * -------------------------------------------------------------------------------------------- */

/* minisql_set('minisql_any(2277)/2', array, type): its items, one NULL for no array */
static void any_items(struct emitter *em, const struct expr *array)
{
    const struct type *t = type_by_oid(array->type);
    buf_puts(em->out, "minisql_set('minisql_any(2277)/2', ");
    sql__emit_expr(em, array);
    buf_printf(em->out, ", %u)", t->element);
}

/* May SQLite's IN stand for "=", <> ALL for NOT IN? Values of one type it compares as we do. */
static bool compares_natively(const struct expr *e)
{
    uint32_t l = e->args[0]->type, r = type_by_oid(e->args[1]->type)->element;
    const struct type *x = type_by_oid(l), *y = type_by_oid(r);
    const char *op = e->call.all ? "<>" : "=";
    return strcmp(e->call.func->name, op) == 0 &&
           (l == r || (x->category == 'N' && y->category == 'N' && x->storage == y->storage &&
                       !x->collation && !y->collation));
}

/* By a function that goes through the items itself. */
static void any_call(struct emitter *em, const struct expr *e)
{
    buf_printf(em->out, "minisql_any_item('%s', %u, %u, %d, ", e->call.func->name, e->args[0]->type,
               type_by_oid(e->args[1]->type)->element, e->call.all);
    sql__emit_expr(em, e->args[0]);
    buf_puts(em->out, ", ");
    sql__emit_expr(em, e->args[1]);
    buf_puts(em->out, ")");
}

static void any_array(struct emitter *em, const struct expr *e)
{
    if (em->stored || !compares_natively(e)) {
        any_call(em, e);
        return;
    }
    buf_puts(em->out, "("); /* it can use an index */
    sql__emit_compared(em, e->args[0]);
    buf_puts(em->out, e->call.all ? " NOT IN (SELECT c1 FROM " : " IN (SELECT c1 FROM ");
    any_items(em, e->args[1]);
    buf_puts(em->out, "))");
}

/* SQLite keeps a subquery's order for an aggregate that it does not know. */
static void array_select(struct emitter *em, const struct select *s)
{
    const struct type *t = type_by_oid(s->targets[0].expr->type);
    buf_printf(em->out, "coalesce((SELECT %s(c1) FROM (",
               t->category == 'A' ? "array_agg_arrays" : "array_agg");
    sql__emit_select(em, s, NAMES_POSITION);
    buf_puts(em->out, ")), '{}')");
}

static void subquery(struct emitter *em, const struct expr *e)
{
    switch (e->sub.kind) {
    case SUBQUERY_ARRAY:
        array_select(em, e->sub.select);
        return;
    case SUBQUERY_SCALAR:
        scalar_subquery(em, e->sub.select);
        return;
    case SUBQUERY_ROW:
        buf_puts(em->out, "(");
        left_side(em, e);
        buf_printf(em->out, " %s ", e->sub.func->name);
        scalar_subquery(em, e->sub.select);
        buf_puts(em->out, ")");
        return;
    case SUBQUERY_EXISTS:
        if (sql__emit_semijoin(em, e->sub.select))
            return;
        buf_puts(em->out, "EXISTS(");
        sql__emit_select(em, e->sub.select, NAMES_NONE);
        buf_puts(em->out, ")");
        return;
    case SUBQUERY_IN:
    case SUBQUERY_NOT_IN:
        buf_puts(em->out, "(");
        left_side(em, e);
        buf_puts(em->out, e->sub.kind == SUBQUERY_IN ? " IN (" : " NOT IN (");
        sql__emit_select(em, e->sub.select, NAMES_NONE);
        buf_puts(em->out, "))");
        return;
    case SUBQUERY_ANY:
    case SUBQUERY_ALL:
        any_all(em, e);
        return;
    }
}

/* ---- the rest
 * ------------------------------------------------------------------------------------------------
 */

static void binary(struct emitter *em, const struct expr *l, const char *op, const struct expr *r)
{
    buf_puts(em->out, "(");
    sql__emit_compared(em, l);
    buf_puts(em->out, op);
    sql__emit_expr(em, r);
    buf_puts(em->out, ")");
}

static void is_test(struct emitter *em, const struct expr *e)
{
    static const char *const tests[] = {
        [IS_NULL] = " IS NULL)",    [IS_NOT_NULL] = " IS NOT NULL)",
        [IS_TRUE] = " IS 1)",       [IS_NOT_TRUE] = " IS NOT 1)",
        [IS_FALSE] = " IS 0)",      [IS_NOT_FALSE] = " IS NOT 0)",
        [IS_UNKNOWN] = " IS NULL)", [IS_NOT_UNKNOWN] = " IS NOT NULL)",
    };
    buf_puts(em->out, "(");
    sql__emit_expr(em, e->args[0]);
    buf_puts(em->out, tests[e->test]);
}

static void case_when(struct emitter *em, const struct expr *e)
{
    /* the column that may be left alone would bring its affinity and its name along */
    buf_puts(em->out, e->n_args == 1 ? "CASE WHEN 0 THEN 0" : "CASE");
    for (int i = 0; i + 1 < e->n_args; i += 2) {
        buf_puts(em->out, " WHEN ");
        sql__emit_condition(em, e->args[i]);
        buf_puts(em->out, " THEN ");
        sql__emit_expr(em, e->args[i + 1]);
    }
    buf_puts(em->out, " ELSE ");
    sql__emit_expr(em, e->args[e->n_args - 1]);
    buf_puts(em->out, " END");
}

static bool find_extreme(void *ctx, const struct expr *e)
{
    bool *found = ctx;
    *found |= e->kind == EXPR_GREATEST || e->kind == EXPR_LEAST;
    return !*found;
}

/* Of arguments that have their like inside: printed several times each they would grow with each
 * level. */
static bool extreme_of_extremes(struct emitter *em, const struct expr *e)
{
    bool found = false;
    for (int i = 0; i < e->n_args; i++)
        expr_walk(e->args[i], true, find_extreme, &found);
    if (!found)
        return false;
    buf_printf(em->out, "minisql_%s(%u, ", e->kind == EXPR_GREATEST ? "greatest" : "least",
               e->type);
    sql__emit_expr_list(em, e->args, e->n_args, ", ");
    buf_puts(em->out, ")");
    return true;
}

/* SQLite's functions take no more than this: more are in calls of calls. */
enum { MAX_ARGS = 100 };

static void coalesce(struct emitter *em, struct expr *const *args, int n)
{
    int each = 1;
    while (n > each * MAX_ARGS)
        each *= MAX_ARGS;
    buf_puts(em->out, n > each ? "coalesce(" : "(");
    for (int i = 0; i < n; i += each) {
        buf_puts(em->out, i ? ", " : "");
        if (each > 1)
            coalesce(em, args + i, MIN(each, n - i));
        else
            sql__emit_expr(em, args[i]);
    }
    buf_puts(em->out, ")");
}

static void puts_coalesce(struct emitter *em, const struct expr *e)
{
    if (e->n_args > 1) {
        coalesce(em, e->args, e->n_args);
        return;
    }
    buf_puts(em->out, "coalesce(NULL, "); /* as above */
    sql__emit_expr(em, e->args[0]);
    buf_puts(em->out, ")");
}

/* max(a, b) is NULL when one of them is: PostgreSQL skips NULLs. max(coalesce(a, b), coalesce(b,
 * a)) is the same set of values without them. Of equal values (1.0 and 1.00) PostgreSQL gives the
 * first; SQLite's max() too, min() the last. */
static void extreme(struct emitter *em, const struct expr *e)
{
    bool nullable = false;
    for (int i = 0; i < e->n_args; i++)
        nullable |= expr_nullable(e->args[i]);
    if (e->n_args == 1) {
        sql__emit_expr(em, e->args[0]);
        return;
    }
    if (nullable && extreme_of_extremes(em, e))
        return;
    buf_puts(em->out, e->kind == EXPR_GREATEST ? "max(" : "min(");
    for (int nth = 0; nth < e->n_args; nth++) {
        int i = e->kind == EXPR_GREATEST ? nth : e->n_args - 1 - nth;
        if (nth)
            buf_puts(em->out, ", ");
        buf_puts(em->out, nullable ? "coalesce(" : "");
        for (int k = 0; k < (nullable ? e->n_args : 1); k++) {
            buf_puts(em->out, k ? ", " : "");
            sql__emit_expr(em, e->args[(i + k) % e->n_args]);
        }
        buf_puts(em->out, nullable ? ")" : "");
        buf_puts(em->out, nth ? "" : sql__collation(e->type)); /* the first one's counts */
    }
    buf_puts(em->out, ")");
}

static void in_list(struct emitter *em, const struct expr *e)
{
    buf_puts(em->out, "(");
    sql__emit_compared(em, e->args[0]);
    buf_puts(em->out, " IN (");
    sql__emit_expr_list(em, e->args + 1, e->n_args - 1, ", ");
    buf_puts(em->out, "))");
}

static void row_compare(struct emitter *em, const struct expr *e)
{
    buf_puts(em->out, "((");
    for (int i = 0; i < e->row.n; i++) {
        if (i)
            buf_puts(em->out, ", ");
        sql__emit_compared(em, e->args[i]);
    }
    buf_printf(em->out, ") %s (", e->row.op);
    sql__emit_expr_list(em, e->args + e->row.n, e->row.n, ", ");
    buf_puts(em->out, "))");
}

static bool fails_behind_first(const struct expr *e)
{
    for (int i = 1; i < e->n_args; i++)
        if (expr_may_fail(e->args[i]))
            return true;
    return false;
}

/* AND and OR. SQLite leaves out what stands behind the argument that decides where it jumps by the
 * result; where it wants the value it computes all of them. There, if one may fail, they are tried
 * one after the other, as PostgreSQL does; when none decides, all have been computed. */
static void logic(struct emitter *em, const struct expr *e)
{
    enum { MAX_REPEATED = 6 };
    const char *op = e->kind == EXPR_AND ? " AND " : " OR ";
    bool in_turn = !em->condition && !em->all_bare && !em->bare && em->repeated < MAX_REPEATED &&
                   fails_behind_first(e) && !expr_is_volatile(e);
    em->repeated += in_turn;
    buf_puts(em->out, in_turn ? "CASE" : "(");
    for (int i = 0; in_turn && i + 1 < e->n_args; i++) {
        buf_puts(em->out, e->kind == EXPR_AND ? " WHEN NOT " : " WHEN ");
        sql__emit_condition(em, e->args[i]);
        buf_puts(em->out, e->kind == EXPR_AND ? " THEN 0" : " THEN 1");
    }
    buf_puts(em->out, in_turn ? " ELSE (" : "");
    sql__emit_conjunction(em, e->args, e->n_args, op);
    buf_puts(em->out, in_turn ? ") END" : ")");
    em->repeated -= in_turn;
}

static void parameter(struct emitter *em, const struct expr *e)
{
    char text[16];
    int n = snprintf(text, sizeof(text), "?%d", e->param);
    buf_append(em->out, text, (size_t)n);
}

/* ---- deep expressions -------------------------------------------------------------------- */

enum { STEP_HEIGHT = 8, MAX_STEPS = 256 };

struct steps {
    int n, first; /* the number of the first one's name */
    const struct expr *exprs[MAX_STEPS];
    const struct expr *defining; /* the one whose definition is being printed */
};

int sql__find_expr(struct expr *const *list, int n, const struct expr *e)
{
    for (int i = 0; i < n; i++) {
        if (list[i] == e || expr_equal(list[i], e))
            return i;
    }
    return -1;
}

/* The column of the groups' source that an expression is. */
struct group_column {
    const char *source;
    int id;
    char letter;
    int number;
};

static bool find_group_column(const struct emitter *em, const struct expr *e,
                              struct group_column *ret)
{
    for (const struct group_source *g = em->groups; g; g = g->outer) {
        const struct select *s = g->select;
        int part = sql__find_expr(g->parts, g->n_parts, e);
        if (part >= 0) {
            *ret = (struct group_column){"rows", g->id, 'c', g->first + part};
            return true;
        }
        if (g->n_parts)
            continue;
        char letter = e->kind == EXPR_AGG ? 'a' : e->kind == EXPR_GROUPING ? 'p' : 'g';
        int i = letter == 'a'   ? sql__find_expr(s->aggs, s->n_aggs, e)
                : letter == 'p' ? sql__find_expr(s->groupings, s->n_groupings, e)
                                : sql__find_expr(s->group, s->n_group, e);
        if (i < 0)
            continue;
        *ret = (struct group_column){"sets", g->id, letter, i + 1};
        return true;
    }
    return false;
}

struct aggregate_search {
    const struct emitter *em;
    bool found;
};

static bool find_aggregate(void *ctx, const struct expr *e)
{
    struct aggregate_search *s = ctx;
    struct group_column column;
    if (find_group_column(s->em, e, &column))
        return false;
    s->found |= e->kind == EXPR_AGG || e->kind == EXPR_WINDOW;
    return !s->found;
}

static int step_of(const struct steps *s, const struct expr *e)
{
    for (int i = 0; i < s->n; i++) {
        if (s->exprs[i] == e)
            return i;
    }
    return -1;
}

/* Makes steps of e's parts, the deepest first. Returns the height of what is left of e. */
static int cut(const struct emitter *em, struct steps *s, const struct expr *e, bool is_root)
{
    int h = 0;
    struct group_column column;
    if (step_of(s, e) >= 0 || find_group_column(em, e, &column))
        return 1;
    for (int i = 0; i < e->n_args; i++) {
        int of_arg = cut(em, s, e->args[i], false);
        h = MAX(h, of_arg);
    }
    if (++h < STEP_HEIGHT || is_root || s->n == MAX_STEPS)
        return h;
    struct aggregate_search search = {.em = em};
    expr_walk(e, true, find_aggregate, &search);
    if (search.found) /* it belongs to this select, a subquery's would be another */
        return h;
    s->exprs[s->n++] = e;
    return 1;
}

static void node(struct emitter *em, const struct expr *e);

static void in_steps(struct emitter *em, const struct expr *e)
{
    struct steps steps = {.first = em->n_probes + 1}, *outer = em->steps;
    cut(em, &steps, e, true);
    em->n_probes += steps.n;
    em->steps = &steps;
    for (int i = 0; i < steps.n; i++) {
        steps.defining = steps.exprs[i];
        buf_printf(em->out, "%s minisql_s%d(c) AS (SELECT ", i ? "," : "(WITH", steps.first + i);
        node(em, steps.exprs[i]);
        buf_puts(em->out, ")");
    }
    steps.defining = NULL;
    buf_puts(em->out, steps.n ? " SELECT " : "(");
    node(em, e);
    buf_puts(em->out, ")");
    em->steps = outer;
}

/* Prints a reference to a step instead of the expression, if it is one. */
static bool is_step(struct emitter *em, const struct expr *e)
{
    int i = em->steps && e != em->steps->defining ? step_of(em->steps, e) : -1;
    if (i >= 0)
        buf_printf(em->out, "(SELECT c FROM minisql_s%d)", em->steps->first + i);
    return i >= 0;
}

/* SQLite gives what a COLLATE deep inside of an expression says to all that is built on it, even
 * to another function's result: the type's own order is said anew. */
static void restore_collation(struct emitter *em, const struct expr *e, size_t start)
{
    const struct type *t = type_by_oid(e->type);
    if (t && t->storage != VALUE_TEXT && t->storage != VALUE_BLOB)
        return;
    if (!memmem(em->out->data + start, em->out->len - start, " COLLATE ", 9))
        return;
    const char *own = sql__collation(e->type);
    buf_puts(em->out, *own ? own : " COLLATE BINARY");
}

/* Prints the column of the groups' source that e is, if it is one. */
static bool is_group_column(struct emitter *em, const struct expr *e)
{
    struct group_column c;
    if (!find_group_column(em, e, &c))
        return false;
    buf_printf(em->out, "minisql_%s_%d.%c%d", c.source, c.id, c.letter, c.number);
    return true;
}

static bool is_left_out(const struct grouping_set *set, const struct expr *e)
{
    int i = sql__find_expr(set->select->group, set->select->n_group, e);
    return i >= 0 && !(set->keys >> i & 1);
}

static bool is_logic(const struct expr *e)
{
    return e->kind == EXPR_AND || e->kind == EXPR_OR || e->kind == EXPR_NOT;
}

void sql__emit_condition(struct emitter *em, const struct expr *e)
{
    bool before = em->condition;
    em->condition = true;
    sql__emit_expr(em, e);
    em->condition = before;
}

void sql__emit_expr(struct emitter *em, const struct expr *e)
{
    if (em->groups && is_group_column(em, e))
        return;
    if (em->direct && em->set && is_left_out(em->set, e)) {
        buf_puts(em->out, "NULL");
        return;
    }
    size_t start = em->out->len;
    if (em->how && em->how->expr && em->how->expr(em->how->ctx, e, em->out))
        return;
    if (is_step(em, e))
        return;
    bool condition = em->condition;
    bool deep = em->nesting == 0 && e->n_args && !em->all_bare && !em->bare &&
                expr_height(e) > SQL_EMIT_HEIGHT;
    em->condition = condition && !deep && is_logic(e);
    em->nesting++;
    if (deep)
        in_steps(em, e);
    else
        node(em, e);
    em->nesting--;
    em->condition = condition;
    if (em->out->len - start > 9)
        restore_collation(em, e, start);
}

/* SQLite may read another number, by its last bit, from digits whose power of ten is not exact.
 * Whole numbers and parts of 1024 are safe. */
static bool is_read_exactly(double r)
{
    return !isfinite(r) || (r == trunc(r) && fabs(r) < 1e15) ||
           (r * 1024 == trunc(r * 1024) && fabs(r) < 1e6);
}

void sql__emit_real(double r, struct buf *out)
{
    int64_t bits;
    memcpy(&bits, &r, sizeof(bits));
    buf_printf(out, "minisql_real(%lld)", (long long)bits);
}

static void constant(struct emitter *em, const struct expr *e)
{
    if (e->value.kind != VALUE_REAL || is_read_exactly(e->value.r))
        sql_emit_value(&e->value, e->type, em->out);
    else
        sql__emit_real(e->value.r, em->out);
}

static void node(struct emitter *em, const struct expr *e)
{
    switch (e->kind) {
    case EXPR_CONST:
        constant(em, e);
        break;
    case EXPR_PARAM:
        parameter(em, e);
        break;
    case EXPR_COLUMN:
        column(em, e);
        break;
    case EXPR_FUNC:
        call(em, e);
        break;
    case EXPR_AGG:
        aggregate(em, e);
        break;
    case EXPR_WINDOW:
        if (is_framed(e)) {
            framed_call(em, e);
        } else {
            call(em, e);
            filter(em, e);
        }
        over(em, e->call.window, is_framed(e));
        break;
    case EXPR_CAST:
        if (e->call.func)
            call(em, e);
        else
            sql__emit_expr(em, e->args[0]);
        break;
    case EXPR_AND:
    case EXPR_OR:
        logic(em, e);
        break;
    case EXPR_NOT:
        buf_puts(em->out, "(NOT ");
        sql__emit_expr(em, e->args[0]);
        buf_puts(em->out, ")");
        break;
    case EXPR_IS:
        is_test(em, e);
        break;
    case EXPR_DISTINCT:
        binary(em, e->args[0], " IS NOT ", e->args[1]);
        break;
    case EXPR_CASE:
        case_when(em, e);
        break;
    case EXPR_COALESCE:
        puts_coalesce(em, e);
        break;
    case EXPR_NULLIF:
        buf_puts(em->out, "nullif(");
        sql__emit_compared(em, e->args[0]);
        buf_puts(em->out, ", ");
        sql__emit_expr(em, e->args[1]);
        buf_puts(em->out, ")");
        break;
    case EXPR_GROUPING: /* one set, of all keys */
        buf_puts(em->out, "0");
        break;
    case EXPR_GREATEST:
    case EXPR_LEAST:
        extreme(em, e);
        break;
    case EXPR_IN:
        in_list(em, e);
        break;
    case EXPR_ANY:
        any_array(em, e);
        break;
    case EXPR_ROW_COMPARE:
        row_compare(em, e);
        break;
    case EXPR_SUBQUERY:
        subquery(em, e);
        break;
    }
}

void sql_emit_expr(const struct expr *e, const struct sql_emit *how, struct buf *out)
{
    struct emitter em = {.how = how, .out = out};
    sql__emit_expr(&em, e);
}
