/*
 * Selects and writes -> SQLite text.
 *
 * Names: a range-table entry goes by its label, which is unique in the statement, so that an inner
 * query never hides what a correlated expression means. Columns of subqueries and WITH queries are
 * called c1, c2, .. since PostgreSQL allows names that SQLite could not tell apart.
 *
 * Where PostgreSQL and SQLite differ and the tree does not say it, this file does: NULLS FIRST and
 * LAST, LIMIT NULL, nested and ALL set operations, DISTINCT ON, DELETE .. USING.
 */
#include "emit_int.h"

#include <stdio.h>

static void puts_(struct emitter *em, const char *s)
{
    buf_puts(em->out, s);
}

static void comma(struct emitter *em, int i)
{
    if (i)
        puts_(em, ", ");
}

/* c1, c2, .. */
static void positions(struct emitter *em, int n)
{
    if (n == 0)
        puts_(em, "c1"); /* SQLite has no select without columns: NULL stands in */
    for (int i = 0; i < n; i++)
        buf_printf(em->out, "%sc%d", i ? ", " : "", i + 1);
}

/* ---- ORDER BY, LIMIT
 * ------------------------------------------------------------------------------------ */

struct variables {
    const struct select *own;
    bool found;
};

static bool find_variable(void *ctx, const struct expr *e)
{
    struct variables *v = ctx;
    v->found |= (e->kind == EXPR_COLUMN && e->col.rte->owner == v->own) || e->kind == EXPR_AGG ||
                e->kind == EXPR_WINDOW || (e->kind == EXPR_FUNC && e->call.func->volatile_);
    return !v->found;
}

/* Is it the same for every row of the select? */
static bool is_fixed(const struct expr *e, const struct select *s)
{
    struct variables v = {.own = s->original ? s->original : s};
    expr_walk(e, true, find_variable, &v);
    return !v.found;
}

/* SQLite reads an integer literal in GROUP BY as a column's position, and does not see columns of
 * enclosing queries there. */
static void group_key(struct emitter *em, const struct expr *e, const struct select *s)
{
    bool logic = e->kind == EXPR_AND || e->kind == EXPR_OR; /* x AND 0 becomes 0: a position */
    if (is_fixed(e, s)) {
        puts_(em, "ifnull(NULL, 1)");
        return;
    }
    puts_(em, logic ? "CAST(" : "");
    sql__emit_compared(em, e);
    puts_(em, logic ? " AS INTEGER)" : "");
}

static void direction(struct emitter *em, const struct order_item *o)
{
    puts_(em, o->descending ? " DESC" : "");
    if (!o->never_null && o->nulls_first != !o->descending)
        puts_(em, o->nulls_first ? " NULLS FIRST" : " NULLS LAST");
}

void sql__emit_order(struct emitter *em, const struct order_item *items, int n)
{
    for (int i = 0; i < n; i++) {
        comma(em, i);
        sql__emit_compared(em, items[i].expr);
        direction(em, &items[i]);
    }
}

/* A select's own ORDER BY: targets by their position, without keys that are the same in all rows.
 */
static void order(struct emitter *em, const struct select *s)
{
    const char *before = " ORDER BY ";
    for (int i = 0; i < s->n_order; i++) {
        const struct order_item *o = &s->order[i];
        if (o->target < 0 && is_fixed(o->expr, s))
            continue;
        puts_(em, before);
        before = ", ";
        if (o->target >= 0)
            buf_printf(em->out, "%d%s", o->target + 1, sql__collation(o->expr->type));
        else
            group_key(em, o->expr, s);
        direction(em, o);
    }
}

/* What LIMIT takes as it stands: -1 for none. */
static void limit_value(struct emitter *em, const struct expr *e, const char *function)
{
    bool known = e->kind == EXPR_CONST && e->value.kind == VALUE_INT;
    buf_printf(em->out, "%s%s", known ? "" : function, known ? "" : "(");
    sql__emit_expr(em, e);
    puts_(em, known ? "" : ")");
}

static void limit(struct emitter *em, const struct select *s)
{
    if (!s->limit && !s->offset)
        return;
    puts_(em, " LIMIT ");
    if (s->limit)
        limit_value(em, s->limit, "minisql_limit");
    else
        puts_(em, "-1");
    if (!s->offset)
        return;
    puts_(em, " OFFSET ");
    limit_value(em, s->offset, "minisql_offset");
}

static void order_and_limit(struct emitter *em, const struct select *s)
{
    order(em, s);
    limit(em, s);
}

static bool has_tail(const struct select *s)
{
    return s->n_order || s->limit || s->offset;
}

/* ---- FROM
 * -------------------------------------------------------------------------------------------------
 */

/* minisql_set('unnest(2277)/2', array, type): types/sqlite_set.c. */
static void functions(struct emitter *em, const struct rte *r)
{
    puts_(em, "minisql_set('");
    for (int i = 0; i < r->n_args; i++) {
        const struct expr *e = r->args[i];
        bool set = e->kind == EXPR_FUNC && e->call.func->set;
        puts_(em, i ? ";" : "");
        if (set)
            types_set_key(e->call.func, em->out);
        buf_printf(em->out, "/%d", set ? e->n_args : 1);
    }
    puts_(em, "'");
    for (int i = 0; i < r->n_args; i++) {
        const struct expr *e = r->args[i];
        bool set = e->kind == EXPR_FUNC && e->call.func->set;
        for (int k = 0; set && k < e->n_args; k++) {
            puts_(em, ", ");
            sql__emit_expr(em, e->args[k]);
        }
        if (!set) {
            puts_(em, ", ");
            sql__emit_expr(em, e);
        }
    }
    puts_(em, ")");
}

/* With arguments from the left it has to be called directly. Else a subquery keeps SQLite from
 * taking the arguments for conditions of a RIGHT or FULL JOIN. */
static void function_rte(struct emitter *em, const struct rte *r)
{
    if (!r->lateral) {
        puts_(em, "(SELECT ");
        positions(em, r->n_columns);
        puts_(em, " FROM ");
    }
    functions(em, r);
    puts_(em, r->lateral ? "" : ")");
}

static void table_name(struct emitter *em, const struct rte *r)
{
    if (em->how && em->how->table && em->how->table(em->how->ctx, r, em->out))
        return;
    sql_quote(table_file_name(r->table), em->out);
}

static void named_table(struct emitter *em, const struct rte *r)
{
    size_t start = em->out->len;
    table_name(em, r);
    size_t n = strlen(r->label), len = em->out->len - start;
    if (len == n + 2 && memcmp(em->out->data + start + 1, r->label, n) == 0)
        return; /* it goes by its own name */
    puts_(em, " AS ");
    sql_quote(r->label, em->out);
}

static bool is_volatile(const struct select *s)
{
    bool found = s->kind == SELECT_SETOP && (is_volatile(s->left) || is_volatile(s->right));
    for (int i = 0; i < s->n_targets && s->kind == SELECT_PLAIN; i++)
        found |= expr_is_volatile(s->targets[i].expr);
    for (int i = 0; i < s->n_rows * s->n_targets; i++)
        found |= expr_is_volatile(s->rows[i / s->n_targets][i % s->n_targets]);
    return found;
}

/*
 * SQLite computes what a subquery's column stands for wherever the query around it mentions it:
 * random() in it would not be the same in WHERE and in the result. Its rows are made once, then.
 * But not for each row of a query that this one is part of: there it stays as it is.
 */
static bool is_made_once(const struct rte *r)
{
    bool once = r->select && !r->lateral && is_volatile(r->select);
    for (int i = 0; i < r->n_args && !r->lateral; i++)
        once |= expr_is_volatile(r->args[i]);
    for (const struct select *s = r->owner; s && once; s = s->parent)
        once = !s->correlated;
    return once;
}

static void derived(struct emitter *em, const struct rte *r)
{
    puts_(em, "(");
    if (r->single)
        sql__emit_single(em, r->select, NAMES_POSITION);
    else
        sql__emit_select(em, r->select, NAMES_POSITION);
    puts_(em, ")");
}

static void leaf(struct emitter *em, const struct rte *r)
{
    bool once = (r->kind == RTE_SUBQUERY || r->kind == RTE_CALLS) && is_made_once(r);
    puts_(em, once ? "(WITH minisql_once AS MATERIALIZED " : "");
    switch (r->kind) {
    case RTE_TABLE:
        named_table(em, r);
        return;
    case RTE_CTE:
        sql_quote(r->cte->label, em->out);
        break;
    case RTE_CALLS:
        function_rte(em, r);
        break;
    case RTE_SUBQUERY:
        if (r->lateral) { /* types/rows.c */
            puts_(em, "minisql_rows((SELECT minisql_pack(");
            positions(em, r->n_columns);
            puts_(em, ") FROM ");
        }
        derived(em, r);
        puts_(em, r->lateral ? "))" : "");
        break;
    case RTE_EXCLUDED:
        return;
    }
    puts_(em, once ? " SELECT * FROM minisql_once) AS " : " AS ");
    sql_quote(r->label, em->out);
}

/*
 * SQLite 3.40 tests conditions without columns once, before its loops, and leaves the whole
 * statement when one is not true: also those of an inner join whose result a RIGHT or FULL JOIN
 * then extends. What seems to change with each row is tested in the loop.
 */
static void kept_condition(struct emitter *em, const struct expr *e, const struct select *s)
{
    if (e->kind == EXPR_AND) {
        for (int i = 0; i < e->n_args; i++) {
            puts_(em, i ? " AND " : "(");
            kept_condition(em, e->args[i], s);
        }
        puts_(em, ")");
        return;
    }
    bool fixed = is_fixed(e, s);
    puts_(em, fixed ? "iif(random() IS NULL, 0, " : "");
    sql__emit_condition(em, e);
    puts_(em, fixed ? ")" : "");
}

/* extended: rows that f does not give can follow, of a RIGHT or FULL JOIN that it is the left side
 * of */
static void from_tree(struct emitter *em, const struct from *f, const struct select *s,
                      bool extended)
{
    static const char *const joins[] = {[JOIN_INNER] = " JOIN ",
                                        [JOIN_LEFT] = " LEFT JOIN ",
                                        [JOIN_RIGHT] = " RIGHT JOIN ",
                                        [JOIN_FULL] = " FULL JOIN "};
    if (f->rte) {
        leaf(em, f->rte);
        return;
    }
    from_tree(em, f->left, s, extended || f->join == JOIN_RIGHT || f->join == JOIN_FULL);
    puts_(em, joins[f->join]);
    if (!f->right->rte)
        puts_(em, "(");
    from_tree(em, f->right, s, extended || f->join != JOIN_INNER);
    if (!f->right->rte)
        puts_(em, ")");
    if (f->on) {
        puts_(em, " ON ");
        if (extended && f->join == JOIN_INNER)
            kept_condition(em, f->on, s);
        else
            sql__emit_condition(em, f->on);
    }
}

static bool keeps_left(const struct from *f)
{
    return f->rte || ((f->join == JOIN_INNER || f->join == JOIN_LEFT) && keeps_left(f->left));
}

/* Comma-separated items, as JOINs without a condition. SQLite reads all of them from the left,
 * which makes a difference only to RIGHT and FULL joins. */
static void from_list(struct emitter *em, const struct select *s)
{
    for (int i = 0; i < s->n_from; i++) {
        bool alone = i > 0 && !keeps_left(s->from[i]);
        puts_(em, i ? " JOIN " : "");
        puts_(em, alone ? "(" : "");
        from_tree(em, s->from[i], s, false);
        puts_(em, alone ? ")" : "");
    }
}

/* ---- plain selects
 * -------------------------------------------------------------------------------------------- */

/* What stands between SELECT's targets and its ORDER BY. */
struct body {
    const struct select *s;
    const char *source; /* a tail's; NULL: the select's own FROM, WHERE, GROUP BY */
};

static bool find_aggregate(void *ctx, const struct expr *e)
{
    bool *found = ctx;
    *found |= e->kind == EXPR_AGG;
    return !*found;
}

/* SQLite takes a query without GROUP BY for one of groups only when a target aggregates. */
static bool hides_groups(const struct select *s)
{
    bool found = s->n_group || s->n_sets || !s->n_aggs;
    for (int i = 0; i < s->n_targets; i++)
        expr_walk(s->targets[i].expr, false, find_aggregate, &found);
    return !found;
}

static void targets(struct emitter *em, const struct select *s, enum column_names names,
                    bool compared)
{
    bool group = hides_groups(s);
    for (int i = 0; i < s->n_targets; i++) {
        comma(em, i);
        puts_(em, group && i == 0 ? "iif(count(*) < 0, NULL, " : "");
        sql__emit_expr(em, s->targets[i].expr);
        puts_(em, group && i == 0 ? ")" : "");
        if (compared)
            puts_(em, sql__collation(s->targets[i].expr->type));
        if (names == NAMES_POSITION)
            buf_printf(em->out, " AS c%d", i + 1);
    }
    if (s->n_targets == 0)
        buf_printf(em->out, "%s%s", group ? "nullif(count(*), NULL)" : "NULL",
                   names == NAMES_POSITION ? " AS c1" : "");
}

static void where(struct emitter *em, const struct expr *e)
{
    if (!e)
        return;
    puts_(em, " WHERE ");
    sql__emit_condition(em, e);
}

static void body(struct emitter *em, const struct body *b)
{
    const struct select *s = b->s;
    if (b->source) {
        buf_printf(em->out, " FROM %s", b->source);
        where(em, s->having);
        return;
    }
    if (s->having && !s->n_group && !s->n_aggs) {
        where(em, s->having); /* one group, of which nothing is read: SQLite knows no such query */
        return;
    }
    if (s->n_from) {
        puts_(em, " FROM ");
        from_list(em, s);
    }
    where(em, s->where);
    for (int i = 0; i < s->n_group; i++) {
        puts_(em, i ? ", " : " GROUP BY ");
        group_key(em, s->group[i], s);
    }
    if (s->having) {
        puts_(em, " HAVING ");
        sql__emit_condition(em, s->having);
    }
}

/* " ORDER BY o1, o2 .." */
static void numbered_order(struct emitter *em, const struct select *s)
{
    for (int i = 0; i < s->n_order; i++) {
        buf_printf(em->out, "%so%d%s", i ? ", " : " ORDER BY ", i + 1,
                   sql__collation(s->order[i].expr->type));
        direction(em, &s->order[i]);
    }
}

/* The first row of each group of equal keys, in the order asked for. Targets, keys and order are
 * columns of a subquery: they may be window functions, which can't stand inside of another. */
static void distinct_on(struct emitter *em, const struct body *b, enum column_names names)
{
    const struct select *s = b->s;
    puts_(em, "SELECT ");
    positions(em, s->n_targets);
    puts_(em, " FROM (SELECT *, row_number() OVER (PARTITION BY ");
    for (int i = 0; i < s->n_distinct_on; i++)
        buf_printf(em->out, "%sk%d%s", i ? ", " : "", i + 1,
                   sql__collation(s->distinct_on[i]->type));
    numbered_order(em, s);
    puts_(em, ") AS nth FROM (SELECT ");
    targets(em, s, NAMES_POSITION, false);
    for (int i = 0; i < s->n_distinct_on; i++) {
        puts_(em, ", ");
        sql__emit_expr(em, s->distinct_on[i]);
        buf_printf(em->out, " AS k%d", i + 1);
    }
    for (int i = 0; i < s->n_order; i++) {
        puts_(em, ", ");
        sql__emit_expr(em, s->order[i].expr);
        buf_printf(em->out, " AS o%d", i + 1);
    }
    body(em, b);
    puts_(em, ")) WHERE nth = 1");
    numbered_order(em, s);
    limit(em, s);
    (void)names;
}

static void plain(struct emitter *em, const struct body *b, enum column_names names, bool compared,
                  bool tail);

/* GROUPING(a, b) where `set` holds. */
static unsigned grouping_bits(const struct select *s, const struct expr *e, uint64_t set)
{
    unsigned bits = 0;
    for (int i = 0; i < e->n_args; i++) {
        int k = 0;
        while (k < s->n_group && !expr_equal(s->group[k], e->args[i]))
            k++;
        bits = bits << 1 | !(set >> k & 1);
    }
    return bits;
}

/* The groups of one set. count(*) makes groups also where nothing is aggregated. */
static void one_set(struct emitter *em, const struct select *s, uint64_t set)
{
    const struct grouping_set own = {.select = s, .keys = set}, *before = em->set;
    em->set = &own;
    puts_(em, "SELECT count(*)");
    for (int i = 0; i < s->n_group; i++) {
        puts_(em, ", ");
        if (set >> i & 1)
            sql__emit_expr(em, s->group[i]);
        else
            puts_(em, "NULL");
        buf_printf(em->out, " AS g%d", i + 1);
    }
    for (int i = 0; i < s->n_aggs; i++) {
        puts_(em, ", ");
        sql__emit_expr(em, s->aggs[i]);
        buf_printf(em->out, " AS a%d", i + 1);
    }
    for (int i = 0; i < s->n_groupings; i++)
        buf_printf(em->out, ", %u AS p%d", grouping_bits(s, s->groupings[i], set), i + 1);
    if (s->n_from) {
        puts_(em, " FROM ");
        from_list(em, s);
    }
    where(em, s->where);
    const char *between = " GROUP BY ";
    for (int i = 0; i < s->n_group; i++) {
        if (!(set >> i & 1))
            continue;
        puts_(em, between);
        group_key(em, s->group[i], s);
        between = ", ";
    }
    em->set = before;
}

/* SQLite has no grouping sets: the rest of the select reads the union of one GROUP BY for each. */
static void over_sets(struct emitter *em, const struct body *b, enum column_names names,
                      bool compared, bool tail)
{
    const struct select *s = b->s;
    struct buf *out = em->out, text = {0};
    struct group_source groups = {.select = s, .id = ++em->n_probes, .outer = em->groups};
    em->out = &text;
    for (int i = 0; i < s->n_sets; i++) {
        puts_(em, i ? " UNION ALL " : "(");
        one_set(em, s, s->sets[i]);
    }
    buf_printf(&text, ") AS minisql_sets_%d", groups.id);
    em->out = out;
    em->groups = &groups;
    struct body over = {.s = s, .source = text.data};
    plain(em, &over, names, compared, tail);
    em->groups = groups.outer;
    buf_done(&text);
}

static void plain(struct emitter *em, const struct body *b, enum column_names names, bool compared,
                  bool tail)
{
    const struct select *s = b->s;
    if (s->n_sets && !b->source) {
        over_sets(em, b, names, compared, tail);
        return;
    }
    if (s->n_distinct_on) {
        distinct_on(em, b, names);
        return;
    }
    puts_(em, s->distinct ? "SELECT DISTINCT " : "SELECT ");
    targets(em, s, names, compared || s->distinct);
    body(em, b);
    if (tail)
        order_and_limit(em, s);
}

/* A column (of an outer query) in the first row would name its column instead of column1, be it in
 * a cast or call that prints nothing else. */
static bool names_a_column(const struct expr *e)
{
    const struct func *f = e->kind == EXPR_FUNC ? e->call.func : NULL;
    return e->kind == EXPR_COLUMN || e->kind == EXPR_CAST ||
           (f && f->emit && strcmp(f->emit, "$1") == 0);
}

static void values_row(struct emitter *em, struct expr *const *row, int n, bool first)
{
    puts_(em, n ? "" : "NULL"); /* of a row without columns */
    for (int i = 0; i < n; i++) {
        comma(em, i);
        puts_(em, first && names_a_column(row[i]) ? "+" : "");
        sql__emit_expr(em, row[i]);
    }
}

static void values_rows(struct emitter *em, const struct select *s)
{
    puts_(em, "VALUES ");
    for (int r = 0; r < s->n_rows; r++) {
        puts_(em, r ? ", (" : "(");
        values_row(em, s->rows[r], s->n_targets, r == 0);
        puts_(em, ")");
    }
}

static void values(struct emitter *em, const struct select *s, enum column_names names)
{
    if (names == NAMES_NONE && !has_tail(s)) {
        values_rows(em, s);
        return;
    }
    puts_(em, "SELECT ");
    for (int i = 0; i < MAX(s->n_targets, 1); i++)
        buf_printf(em->out, "%scolumn%d AS c%d", i ? ", " : "", i + 1, i + 1);
    puts_(em, " FROM (");
    values_rows(em, s);
    puts_(em, ")");
    order_and_limit(em, s);
}

/* ---- set operations
 * --------------------------------------------------------------------------------------------- */

static void setop(struct emitter *em, const struct select *s, enum column_names names);

static void with(struct emitter *em, const struct select *s);

/* c1, c2, .. of a subquery, so that they are compared as their types are */
static void compared_positions(struct emitter *em, const struct select *s, bool named)
{
    if (s->n_targets == 0)
        positions(em, 0);
    for (int i = 0; i < s->n_targets; i++) {
        const char *collation = sql__collation(s->targets[i].expr->type);
        buf_printf(em->out, "%sc%d%s", i ? ", " : "", i + 1, collation);
        if (named && *collation)
            buf_printf(em->out, " AS c%d", i + 1);
    }
}

/* An arm. SQLite's compounds are flat and group from the left: whatever else is meant goes into a
 * subquery. */
static void arm(struct emitter *em, const struct select *s, bool leftmost, enum column_names names)
{
    bool flat = !has_tail(s) && !s->n_ctes && !s->n_distinct_on;
    if (flat && s->kind == SELECT_PLAIN) {
        struct body b = {.s = s};
        plain(em, &b, names, true, false);
    } else if (flat && s->kind == SELECT_SETOP && leftmost && (s->op == SETOP_UNION || !s->all)) {
        setop(em, s, names);
    } else {
        puts_(em, "SELECT ");
        compared_positions(em, s, true);
        puts_(em, " FROM (");
        sql__emit_select(em, s, NAMES_POSITION);
        puts_(em, ")");
    }
}

/* INTERSECT ALL, EXCEPT ALL: the nth copy of a row meets the nth copy of its like. */
static void numbered_arm(struct emitter *em, const struct select *s)
{
    puts_(em, "SELECT ");
    compared_positions(em, s, true);
    puts_(em, ", row_number() OVER (PARTITION BY ");
    compared_positions(em, s, false);
    puts_(em, ") FROM (");
    sql__emit_select(em, s, NAMES_POSITION);
    puts_(em, ")");
}

static void setop(struct emitter *em, const struct select *s, enum column_names names)
{
    static const char *const ops[] = {
        [SETOP_UNION] = " UNION ", [SETOP_INTERSECT] = " INTERSECT ", [SETOP_EXCEPT] = " EXCEPT "};
    if (s->all && s->op != SETOP_UNION) {
        puts_(em, "SELECT ");
        positions(em, s->n_targets);
        puts_(em, " FROM (");
        numbered_arm(em, s->left);
        puts_(em, ops[s->op]);
        numbered_arm(em, s->right);
        puts_(em, ")");
        return;
    }
    arm(em, s->left, true, names);
    puts_(em, s->all ? " UNION ALL " : ops[s->op]);
    arm(em, s->right, false, NAMES_NONE);
}

/* ---- WITH
 * -----------------------------------------------------------------------------------------------------------
 */

static void cte(struct emitter *em, const struct cte *c)
{
    sql_quote(c->label, em->out);
    puts_(em, "(");
    positions(em, c->n_columns);
    /* PostgreSQL runs a query that is read twice once, and a volatile one */
    bool once = c->write || c->materialized > 0 || (c->materialized == 0 && c->n_refs > 1) ||
                is_volatile(c->select);
    puts_(em, once && !c->recursive ? ") AS MATERIALIZED (" : ") AS (");
    if (c->write)
        em->how->cte(em->how->ctx, c, em->out);
    else
        sql__emit_select(em, c->select, NAMES_POSITION);
    puts_(em, ")");
}

/* Whose rows nobody can read: it has no RETURNING. */
static bool is_silent(const struct cte *c)
{
    return c->write && !c->n_columns;
}

static void ctes(struct emitter *em, struct cte *const *list, int n, const char *between)
{
    for (int i = 0; i < n; i++) {
        if (is_silent(list[i]))
            continue;
        puts_(em, between);
        between = ", ";
        cte(em, list[i]);
    }
}

void sql_emit_ctes(struct cte *const *list, int n, const struct sql_emit *how, struct buf *out)
{
    struct emitter em = {.how = how, .out = out};
    ctes(&em, list, n, "");
}

static void with(struct emitter *em, const struct select *s)
{
    bool recursive = false, any = em->with && *em->with;
    for (int i = 0; i < s->n_ctes; i++) {
        recursive |= s->ctes[i]->recursive;
        any |= !is_silent(s->ctes[i]);
    }
    if (!any)
        return;
    puts_(em, recursive || em->with ? "WITH RECURSIVE " : "WITH ");
    bool first = !em->with || !*em->with;
    puts_(em, first ? "" : em->with);
    em->with = NULL;
    ctes(em, s->ctes, s->n_ctes, first ? "" : ", ");
    puts_(em, " ");
}

/* ---- selects
 * ----------------------------------------------------------------------------------------------------------
 */

/* ORDER BY of rows whose keys are columns already: c1, c2, .. or o1, o2, .. */
static void column_order(struct emitter *em, const struct select *s)
{
    for (int i = 0; i < s->n_order; i++) {
        const struct order_item *o = &s->order[i];
        buf_printf(em->out, "%s%c%d%s", i ? ", " : "ORDER BY ", o->target < 0 ? 'o' : 'c',
                   o->target < 0 ? i + 1 : o->target + 1, sql__collation(o->expr->type));
        direction(em, o);
    }
}

/* The select without ORDER BY and LIMIT, but with the keys that are no result columns. */
static void before_ties(struct emitter *em, const struct select *s)
{
    struct select all = *s;
    all.original = s;
    all.limit = all.offset = NULL;
    all.n_ctes = 0;
    all.n_order = s->n_distinct_on ? s->n_order : 0; /* which say what row of each key it is */
    all.with_ties = all.limit_varies = false;
    if (s->kind == SELECT_PLAIN && !s->n_distinct_on && !s->distinct) {
        all.targets = mem_alloc(sizeof(*all.targets) * (size_t)(s->n_targets + s->n_order + 1));
        if (s->n_targets)
            memcpy(all.targets, s->targets, sizeof(*all.targets) * (size_t)s->n_targets);
        for (int i = 0; i < s->n_order; i++) /* all of them, so that their numbers are known */
            all.targets[all.n_targets++].expr = s->order[i].expr;
    }
    sql__emit_select(em, &all, NAMES_POSITION);
    if (all.targets != s->targets)
        mem_free(all.targets);
}

/* FETCH FIRST n ROWS WITH TIES: rows up to the n-th, and those that have its rank. Also a LIMIT and
 * an OFFSET that change with the row of a query around it: SQLite's may not. */
static void counted(struct emitter *em, const struct select *s)
{
    const char *last = s->with_ties ? "minisql_rank" : "minisql_row";
    bool extended = s->kind == SELECT_PLAIN && !s->n_distinct_on && !s->distinct;
    puts_(em, "SELECT ");
    positions(em, s->n_targets);
    puts_(em, " FROM (SELECT *, rank() OVER (");
    column_order(em, s);
    puts_(em, ") AS minisql_rank, row_number() OVER (");
    column_order(em, s);
    puts_(em, ") AS minisql_row FROM (SELECT ");
    positions(em, s->n_targets);
    for (int i = 0; i < s->n_order && extended; i++)
        buf_printf(em->out, ", c%d AS o%d", s->n_targets + i + 1, i + 1);
    puts_(em, " FROM (");
    before_ties(em, s);
    puts_(em, "))) WHERE ");
    if (s->limit) {
        puts_(em, "(");
        limit_value(em, s->limit, "minisql_limit");
        puts_(em, " < 0 OR (");
        limit_value(em, s->limit, "minisql_limit");
        buf_printf(em->out, " > 0 AND %s <= ", last);
        limit_value(em, s->limit, "minisql_limit");
        if (s->offset) {
            puts_(em, " + ");
            limit_value(em, s->offset, "minisql_offset");
        }
        puts_(em, "))");
    }
    if (s->offset) {
        puts_(em, s->limit ? " AND minisql_row > " : "minisql_row > ");
        limit_value(em, s->offset, "minisql_offset");
    }
    puts_(em, " ORDER BY minisql_row");
}

/* What the rows that ORDER BY sorts can give: columns, keys, aggregates, .. of the select */
struct parts {
    const struct select *s;
    int n;
    struct expr **list;
    bool volatile_; /* and more than these */
};

static bool find_parts(void *ctx, const struct expr *e)
{
    struct parts *p = ctx;
    const struct select *s = p->s, *own = s->original ? s->original : s;
    bool is_part = (e->kind == EXPR_COLUMN && e->col.rte->owner == own) ||
                   sql__find_expr(s->group, s->n_group, e) >= 0 ||
                   sql__find_expr(s->aggs, s->n_aggs, e) >= 0 ||
                   sql__find_expr(s->groupings, s->n_groupings, e) >= 0;
    for (int i = 0; i < s->n_windows && e->kind == EXPR_WINDOW; i++)
        is_part |= e->call.window == s->windows[i];
    p->volatile_ |= !is_part && e->kind == EXPR_FUNC && e->call.func->volatile_;
    if (is_part && sql__find_expr(p->list, p->n, e) < 0) {
        p->list = mem_realloc(p->list, sizeof(*p->list) * (size_t)(p->n + 1));
        p->list[p->n++] = (struct expr *)e;
    }
    return !is_part;
}

/* Adds to `parts` what the target needs, if it is one to be computed later. */
static bool is_postponed(const struct select *s, int target, struct parts *parts)
{
    struct parts own = {.s = s};
    const struct expr *e = s->targets[target].expr;
    bool key = sql__find_expr(s->distinct_on, s->n_distinct_on, e) >= 0;
    for (int i = 0; i < s->n_order; i++)
        key |= s->order[i].target == target;
    if (!key)
        expr_walk(e, true, find_parts, &own);
    if (own.volatile_)
        expr_walk(e, true, find_parts, parts);
    mem_free(own.list);
    return own.volatile_;
}

static void select_part(struct emitter *em, const struct select *s, enum column_names names);

/* A volatile target is computed after ORDER BY and LIMIT, unless it is a key: nextval() numbers the
 * rows that are left, in their order. SELECT .. FROM (the other targets, and parts, in order) */
static bool postponed(struct emitter *em, const struct select *s, enum column_names names)
{
    struct parts parts = {.s = s};
    size_t n = (size_t)s->n_targets;
    int n_kept = 0, *place = mem_alloc((n + 1) * sizeof(*place)); /* 0: postponed */
    for (int i = 0; i < s->n_targets; i++)
        place[i] = is_postponed(s, i, &parts) ? 0 : ++n_kept;
    if (n_kept == s->n_targets) {
        mem_free(place);
        return false;
    }
    struct select below = *s;
    below.original = s->original ? s->original : s;
    below.n_ctes = 0;
    below.n_targets = n_kept + parts.n;
    below.targets = mem_zalloc((n + (size_t)parts.n) * sizeof(*below.targets));
    below.order = mem_alloc((size_t)s->n_order * sizeof(*below.order));
    for (int i = 0; i < s->n_targets; i++)
        if (place[i])
            below.targets[place[i] - 1] = s->targets[i];
    for (int i = 0; i < parts.n; i++)
        below.targets[n_kept + i].expr = parts.list[i];
    for (int i = 0; i < s->n_order; i++) {
        below.order[i] = s->order[i];
        if (s->order[i].target >= 0)
            below.order[i].target = place[s->order[i].target] - 1;
    }

    struct group_source rows = {.select = s,
                                .id = ++em->n_probes,
                                .outer = em->groups,
                                .parts = parts.list,
                                .n_parts = parts.n,
                                .first = n_kept + 1};
    puts_(em, "SELECT ");
    for (int i = 0; i < s->n_targets; i++) {
        comma(em, i);
        em->groups = &rows;
        if (place[i])
            buf_printf(em->out, "minisql_rows_%d.c%d", rows.id, place[i]);
        else
            sql__emit_expr(em, s->targets[i].expr);
        em->groups = rows.outer;
        if (names == NAMES_POSITION)
            buf_printf(em->out, " AS c%d", i + 1);
    }
    puts_(em, " FROM (WITH minisql_once AS MATERIALIZED (");
    select_part(em, &below, NAMES_POSITION);
    buf_printf(em->out, ") SELECT * FROM minisql_once) AS minisql_rows_%d", rows.id);
    mem_free(place);
    mem_free(parts.list);
    mem_free(below.targets);
    mem_free(below.order);
    return true;
}

static void select_part(struct emitter *em, const struct select *s, enum column_names names)
{
    with(em, s);
    if (s->kind == SELECT_PLAIN && s->n_order && !s->distinct && postponed(em, s, names))
        return;
    if ((s->with_ties && s->limit) || s->limit_varies) {
        counted(em, s);
    } else if (s->kind == SELECT_PLAIN) {
        struct body b = {.s = s};
        plain(em, &b, names, false, true);
    } else if (s->kind == SELECT_VALUES) {
        values(em, s, names);
    } else {
        setop(em, s, names);
        order_and_limit(em, s);
    }
}

void sql__emit_select(struct emitter *em, const struct select *s, enum column_names names)
{
    int nesting = em->nesting;
    struct steps *steps = em->steps;
    em->nesting = 0;
    em->steps = NULL;
    select_part(em, s, names);
    em->nesting = nesting;
    em->steps = steps;
}

struct error *sql_emit_select(const struct select *s, const struct sql_emit *how, struct buf *out)
{
    struct emitter em = {.how = how, .out = out, .with = how ? how->with : NULL};
    select_part(&em, s, NAMES_NONE);
    return NULL;
}

void sql_emit_scan(const struct rte *r, const int *columns, int n_columns,
                   struct expr *const *computed, struct expr *const *filters, int n_filters,
                   const struct sql_emit *how, struct buf *out)
{
    struct emitter em = {.how = how, .out = out, .all_bare = true};
    buf_puts(out, "SELECT ");
    for (int i = 0; i < n_columns; i++) {
        comma(&em, i);
        if (columns[i] >= 0)
            sql_quote(r->table->columns[columns[i]].name, out);
        else
            sql__emit_expr(&em, computed[-1 - columns[i]]);
    }
    buf_puts(out, n_columns ? " FROM " : "1 FROM ");
    sql_quote(table_file_name(r->table), out);
    if (n_filters) {
        buf_puts(out, " WHERE ");
        sql__emit_conjunction(&em, filters, n_filters, " AND ");
    }
}

/* ---- writes
 * -------------------------------------------------------------------------------------------------------------
 */

static void assignments(struct emitter *em, const struct table *t, const struct assignment *set,
                        int n)
{
    for (int i = 0; i < n; i++) {
        comma(em, i);
        sql_quote(t->columns[set[i].column].name, em->out);
        puts_(em, " = ");
        sql__emit_expr(em, set[i].value);
    }
}

static void returning(struct emitter *em, const struct write *w)
{
    em->bare = w->target;
    for (int i = 0; i < w->n_returning && !em->no_returning; i++) {
        puts_(em, i ? ", " : " RETURNING ");
        sql__emit_expr(em, w->returning[i].expr);
    }
    em->bare = NULL;
}

static void conflict_target(struct emitter *em, const struct table *t, const int *columns, int n,
                            struct expr *const *exprs, bool nulls_equal)
{
    puts_(em, " (");
    for (int i = 0; i < n; i++) {
        const struct expr *e = columns[i] < 0 ? exprs[-1 - columns[i]] : NULL;
        _cleanup_(buf_done) struct buf key = {0};
        comma(em, i);
        if (e)
            sql__emit_index_key(e, &key);
        else
            sql_quote(t->columns[columns[i]].name, &key);
        if (nulls_equal)
            sql__emit_equal_nulls(key.data, e ? e->type : t->columns[columns[i]].type, em->out);
        else
            puts_(em, key.data);
    }
    puts_(em, ")");
}

static void on_conflict(struct emitter *em, const struct write *w)
{
    const struct on_conflict *c = w->conflict;
    const struct table *t = w->target->table;
    if (!c)
        return;
    puts_(em, " ON CONFLICT");
    if (c->key)
        conflict_target(em, t, c->key->columns, c->key->n_columns, NULL, false);
    else if (c->index)
        conflict_target(em, t, c->index->columns, c->index->n_columns, c->index_exprs,
                        c->index->nulls_equal);
    if (c->index_where) {
        struct emitter bare = {.how = em->how, .out = em->out, .all_bare = true};
        puts_(em, " WHERE ");
        sql__emit_expr(&bare, c->index_where);
    }
    if (!c->update) {
        puts_(em, " DO NOTHING");
        return;
    }
    puts_(em, " DO UPDATE SET ");
    assignments(em, t, c->set, c->n_set);
    where(em, c->where);
}

static void insert(struct emitter *em, const struct write *w)
{
    const struct table *t = w->target->table;
    const struct select *s = w->select;
    with(em, s);
    puts_(em, "INSERT INTO ");
    named_table(em, w->target);
    if (w->n_given == 0 && s->kind == SELECT_VALUES) {
        puts_(em, " DEFAULT VALUES");
        returning(em, w);
        return;
    }
    puts_(em, " (");
    for (int i = 0; i < w->n_given; i++) {
        comma(em, i);
        sql_quote(t->columns[w->given[i]].name, em->out);
    }
    puts_(em, ") ");
    struct select without = *s;
    without.n_ctes = 0;
    if (w->conflict && s->kind != SELECT_VALUES) {
        /* without a WHERE, SQLite would read ON CONFLICT as a join's ON */
        puts_(em, "SELECT ");
        positions(em, w->n_given);
        puts_(em, " FROM (");
        sql__emit_select(em, &without, NAMES_POSITION);
        puts_(em, ") WHERE 1");
    } else {
        sql__emit_select(em, &without, NAMES_NONE);
    }
    on_conflict(em, w);
    returning(em, w);
}

/*
 * SQLite computes the new values row by row, as it writes: a subquery would see the rows before in
 * their new state. With a FROM all are computed before the first is written.
 */
static bool reads_tables(const struct write *w)
{
    bool found = false;
    for (int i = 0; i < w->n_set && !found; i++)
        found = expr_has_subquery(w->set[i].value);
    return found;
}

static void update(struct emitter *em, const struct write *w)
{
    with(em, w->select);
    puts_(em, "UPDATE ");
    named_table(em, w->target);
    puts_(em, " SET ");
    assignments(em, w->target->table, w->set, w->n_set);
    if (w->select->n_from) {
        puts_(em, " FROM ");
        from_list(em, w->select);
    } else if (reads_tables(w)) {
        puts_(em, " FROM (SELECT 1)");
    }
    where(em, w->select->where);
    returning(em, w);
}

const char *sql_scan_column(const struct rte *r, int column)
{
    return column == COLUMN_ROWID ? sql_rowid_name(r->table) : r->table->columns[column].name;
}

const char *sql_rowid_name(const struct table *t)
{
    static const char *const names[] = {"rowid", "_rowid_", "oid"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        bool hidden = false;
        for (int c = 0; c < t->n_columns; c++)
            hidden |= strcasecmp(t->columns[c].name, names[i]) == 0;
        if (!hidden)
            return names[i];
    }
    return NULL;
}

static struct error *delete_using(struct emitter *em, const struct write *w)
{
    const char *rowid = sql_rowid_name(w->target->table);
    if (!rowid)
        return error_hint(error_new(E_UNSUPPORTED,
                                    "DELETE ... USING is not supported for table \"%s\"",
                                    w->target->table->name),
                          "Use WHERE ... IN (SELECT ...).");
    buf_printf(em->out, " WHERE %s IN (SELECT ", rowid);
    sql_quote(w->target->label, em->out);
    buf_printf(em->out, ".%s FROM ", rowid);
    named_table(em, w->target);
    puts_(em, " JOIN ");
    from_list(em, w->select);
    where(em, w->select->where);
    puts_(em, ")");
    return NULL;
}

static struct error *delete (struct emitter *em, const struct write *w)
{
    with(em, w->select);
    puts_(em, "DELETE FROM ");
    if (w->select->n_from) {
        table_name(em, w->target);
        TRY(delete_using(em, w));
    } else {
        named_table(em, w->target);
        where(em, w->select->where);
    }
    returning(em, w);
    return NULL;
}

struct error *sql_emit_write(const struct write *w, bool no_returning, const struct sql_emit *how,
                             struct buf *out)
{
    struct emitter em = {
        .how = how, .out = out, .no_returning = no_returning, .with = how ? how->with : NULL};
    switch (w->kind) {
    case QUERY_INSERT:
        insert(&em, w);
        return NULL;
    case QUERY_UPDATE:
        update(&em, w);
        return NULL;
    default:
        return delete (&em, w);
    }
}

struct error *sql_emit(const struct query *q, const struct sql_emit *how, struct buf *out)
{
    if (q->kind == QUERY_SELECT)
        return sql_emit_select(q->select, how, out);
    if (q->write)
        return sql_emit_write(q->write, false, how, out);
    return error_new(E_INTERNAL, "%s has no SQLite text", q->tag);
}
