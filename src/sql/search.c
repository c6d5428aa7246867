/*
 * SEARCH and CYCLE of a recursive WITH query: columns that PostgreSQL's rules add to it,
 *
 *   WITH RECURSIVE t (c) AS (start UNION ALL step)
 *       SEARCH DEPTH FIRST BY c SET s CYCLE c SET m TO y DEFAULT n USING p
 *   start: SELECT c, ARRAY[ROW(c)], n, ARRAY[ROW(c)] FROM (start)
 *   step:  SELECT c, s || ROW(c), CASE WHEN ROW(c) = ANY (p) THEN y ELSE n END, p || ROW(c)
 *          .. AND m <> y
 *
 * BREADTH FIRST: ROW(0, c), and in the step ROW(s's first field + 1, c). The step has no select
 * around it, as SQLite reads a recursive query only in the FROM of its step: what it selects is
 * written once more into the rows.
 */
#include "sql_int.h"

/* ---- rules --------------------------------------------------------------------------------- */

static int column_named(const struct cte *c, const char *name)
{
    for (int i = 0; i < c->n_columns - c->n_added; i++)
        if (strcmp(c->columns[i].name, name) == 0)
            return i;
    return -1;
}

static struct error *check_list(const struct analysis *a, const struct cte *c, const List *names,
                                const char *what, int location)
{
    for (int i = 0; i < list_length(names); i++) {
        const char *name = strVal(list_nth(names, i));
        if (column_named(c, name) < 0)
            return sql__at(
                a,
                error_new(E_SYNTAX, "%s column \"%s\" not in WITH query column list", what, name),
                location);
        for (int k = 0; k < i; k++)
            if (strcmp(strVal(list_nth(names, k)), name) == 0)
                return sql__at(
                    a, error_new("42701", "%s column \"%s\" specified more than once", what, name),
                    location);
    }
    return NULL;
}

static struct error *check_new(const struct analysis *a, const struct cte *c, const char *name,
                               const char *what, int location)
{
    if (column_named(c, name) < 0)
        return NULL;
    return sql__at(a,
                   error_new(E_SYNTAX,
                             "%s column name \"%s\" already used in WITH query column list", what,
                             name),
                   location);
}

static struct error *check_differ(const struct analysis *a, const char *l, const char *l_what,
                                  const char *r, const char *r_what, int location)
{
    if (strcmp(l, r) != 0)
        return NULL;
    return sql__at(
        a, error_new(E_SYNTAX, "%s column name and %s column name are the same", l_what, r_what),
        location);
}

static struct error *check_names(const struct analysis *a, const struct cte *c,
                                 const CommonTableExpr *n)
{
    const CTESearchClause *s = n->search_clause;
    const CTECycleClause *y = n->cycle_clause;
    if (s) {
        TRY(check_list(a, c, s->search_col_list, "search", s->location));
        TRY(check_new(a, c, s->search_seq_column, "search sequence", s->location));
    }
    if (y) {
        TRY(check_list(a, c, y->cycle_col_list, "cycle", y->location));
        TRY(check_new(a, c, y->cycle_mark_column, "cycle mark", y->location));
        TRY(check_new(a, c, y->cycle_path_column, "cycle path", y->location));
        TRY(check_differ(a, y->cycle_mark_column, "cycle mark", y->cycle_path_column, "cycle path",
                         y->location));
    }
    if (!s || !y)
        return NULL;
    TRY(check_differ(a, s->search_seq_column, "search sequence", y->cycle_mark_column, "cycle mark",
                     s->location));
    return check_differ(a, s->search_seq_column, "search sequence", y->cycle_path_column,
                        "cycle path", s->location);
}

static bool is_union(const Node *n)
{
    const SelectStmt *q = (const SelectStmt *)n;
    return q->op != SETOP_NONE && !q->sortClause && !q->limitCount && !q->limitOffset &&
           !q->lockingClause && !q->withClause;
}

static struct error *check_arms(const CommonTableExpr *n)
{
    const SelectStmt *q = (const SelectStmt *)n->ctequery;
    const char *side = is_union((const Node *)q->larg)   ? "left"
                       : is_union((const Node *)q->rarg) ? "right"
                                                         : NULL;
    if (!side)
        return NULL;
    return error_new(E_UNSUPPORTED,
                     "with a SEARCH or CYCLE clause, the %s side of the UNION must be a SELECT",
                     side);
}

/* ---- columns ------------------------------------------------------------------------------- */

static int add_column(struct cte *c, const char *name, uint32_t type, int32_t typmod)
{
    c->columns[c->n_columns] = (struct rte_column){.name = name, .type = type, .typmod = typmod};
    c->n_added++;
    return c->n_columns++;
}

static struct error *marks(struct analysis *a, struct scope *s, const CTECycleClause *n,
                           struct with_search *ret)
{
    struct expr *both[2];
    uint32_t type;
    TRY(sql__expr(a, s, n->cycle_mark_value, &both[0]));
    TRY(sql__expr(a, s, n->cycle_mark_default, &both[1]));
    TRY(sql__common_type(a, both, 2, "CYCLE", &type));
    for (int i = 0; i < 2; i++)
        TRY(sql__coerce(a, both[i], type, -1, CAST_IMPLICIT, &both[i]));
    ret->marked = both[0];
    ret->unmarked = both[1];
    return sql__compares(a, type, false, false);
}

struct error *sql__search_marks(struct analysis *a, struct scope *s, const CommonTableExpr *n,
                                struct with_search *ret)
{
    *ret = (struct with_search){.with = n, .sequence = -1, .mark = -1, .path = -1};
    return n->cycle_clause ? marks(a, s, n->cycle_clause, ret) : NULL;
}

void sql__search_columns(struct analysis *a, struct cte *c, struct with_search *x)
{
    const CTESearchClause *s = x->with->search_clause;
    const CTECycleClause *y = x->with->cycle_clause;
    struct rte_column *grown = ARENA_ARRAY(a->arena, struct rte_column, c->n_columns + 3);
    if (c->n_columns)
        memcpy(grown, c->columns, sizeof(*grown) * (size_t)c->n_columns);
    c->columns = grown;
    if (s)
        x->sequence = add_column(c, arena_strdup(a->arena, s->search_seq_column),
                                 s->search_breadth_first ? OID_RECORD : OID_RECORD_ARRAY, -1);
    if (!y)
        return;
    x->mark = add_column(
        c, arena_strdup(a->arena, y->cycle_mark_column), x->marked->type,
        sql__common_typmod((struct expr *[]){x->marked, x->unmarked}, 2, x->marked->type));
    x->path = add_column(c, arena_strdup(a->arena, y->cycle_path_column), OID_RECORD_ARRAY, -1);
}

/* ---- what they are ------------------------------------------------------------------------- */

/* ROW(columns) of what a side selects; `depth` before them, or NULL. */
static struct error *row(struct analysis *a, const struct cte *c, const List *names,
                         const struct select *side, struct expr *depth, struct expr **ret)
{
    int n = list_length(names), at = 0;
    struct target *fields = ARENA_ARRAY(a->arena, struct target, n + 1);
    if (depth)
        fields[at++] = (struct target){.expr = depth, .name = "*DEPTH*"};
    for (int i = 0; i < n; i++) {
        const char *name = arena_strdup(a->arena, strVal(list_nth(names, i)));
        fields[at++] =
            (struct target){.expr = side->targets[column_named(c, name)].expr, .name = name};
    }
    return sql__make_record(a, fields, at, ret);
}

static struct error *array_of(struct analysis *a, struct expr *item, struct expr **ret)
{
    return sql__call_kind(a, "minisql_array", FUNC_SCALAR, &item, 1, -1, ret);
}

static struct error *appended(struct analysis *a, struct expr *array, struct expr *item,
                              struct expr **ret)
{
    return sql__call(a, "||", (struct expr *[]){array, item}, 2, -1, ret);
}

static struct error *depth_below(struct analysis *a, struct rte *r, int sequence, struct expr **ret)
{
    struct expr *above = sql__record_depth(a, sql__column(a, r, sequence, -1));
    return sql__call(a, "+", (struct expr *[]){above, sql__const_int(a, OID_INT8, 1)}, 2, -1, ret);
}

/* r: the query's own rows, in the step; NULL: the start. */
static struct error *sequence(struct analysis *a, const struct cte *c, const struct with_search *x,
                              const struct select *side, struct rte *r, struct expr **ret)
{
    const CTESearchClause *n = x->with->search_clause;
    struct expr *depth = NULL;
    if (n->search_breadth_first && r)
        TRY(depth_below(a, r, x->sequence, &depth));
    else if (n->search_breadth_first)
        depth = sql__const_int(a, OID_INT8, 0);
    TRY(row(a, c, n->search_col_list, side, depth, ret));
    if (n->search_breadth_first)
        return NULL;
    return r ? appended(a, sql__column(a, r, x->sequence, -1), *ret, ret) : array_of(a, *ret, ret);
}

static struct error *cycle(struct analysis *a, const struct cte *c, const struct with_search *x,
                           const struct select *side, struct rte *r, struct expr **ret_mark,
                           struct expr **ret_path)
{
    struct expr *here, *found;
    TRY(row(a, c, x->with->cycle_clause->cycle_col_list, side, NULL, &here));
    if (!r) {
        *ret_mark = x->unmarked;
        return array_of(a, here, ret_path);
    }
    TRY(sql__array_any(a, here, sql__column(a, r, x->path, -1), "=", false, -1, &found));
    *ret_mark = sql__new_expr(a, EXPR_CASE, x->marked->type, -1, 3);
    memcpy((*ret_mark)->args, (struct expr *[]){found, x->marked, x->unmarked},
           sizeof(struct expr *) * 3);
    (*ret_mark)->typmod = c->columns[x->mark].typmod;
    return appended(a, sql__column(a, r, x->path, -1), here, ret_path);
}

static struct error *add_targets(struct analysis *a, const struct cte *c,
                                 const struct with_search *x, struct select *side, struct rte *r)
{
    int n = side->n_targets;
    struct target *grown = ARENA_ARRAY(a->arena, struct target, n + 3);
    if (n)
        memcpy(grown, side->targets, sizeof(*grown) * (size_t)n);
    for (int i = 0; i < c->n_added; i++)
        grown[n + i].name = c->columns[n + i].name;
    if (x->sequence >= 0)
        TRY(sequence(a, c, x, side, r, &grown[x->sequence].expr));
    if (x->mark >= 0)
        TRY(cycle(a, c, x, side, r, &grown[x->mark].expr, &grown[x->path].expr));
    side->targets = grown;
    side->n_targets += c->n_added;
    return NULL;
}

/* SELECT * FROM (start), to which more can be added whatever the start is. */
static struct select *around(struct analysis *a, struct select *start)
{
    struct select *to = sql__new_select(a, SELECT_PLAIN, start->parent);
    struct rte *r = sql__new_rte(a, RTE_SUBQUERY, "*TLOCRN*", -1);
    int n = start->n_targets;
    start->parent = to;
    to->correlated = start->correlated;
    r->select = start;
    r->owner = to;
    r->n_columns = to->n_targets = n;
    r->columns = ARENA_ARRAY(a->arena, struct rte_column, MAX(n, 1));
    to->targets = ARENA_ARRAY(a->arena, struct target, MAX(n, 1));
    for (int i = 0; i < n; i++) {
        const struct expr *e = start->targets[i].expr;
        r->columns[i] = (struct rte_column){.name = start->targets[i].name,
                                            .type = e->type,
                                            .typmod = e->typmod,
                                            .domain = e->domain};
        to->targets[i] = (struct target){.expr = sql__column(a, r, i, e->position - 1),
                                         .name = start->targets[i].name};
    }
    to->n_from = 1;
    to->from = ARENA_ARRAY(a->arena, struct from *, 1);
    to->from[0] = ARENA_NEW(a->arena, struct from);
    to->from[0]->rte = r;
    return to;
}

/* A column that is written twice has to be the same twice. */
static struct error *check_stable(const struct analysis *a, const struct cte *c, const List *names,
                                  const struct select *step)
{
    for (int i = 0; i < list_length(names); i++) {
        const struct expr *e = step->targets[column_named(c, strVal(list_nth(names, i)))].expr;
        if (expr_is_volatile(e))
            return sql__unsupported(a, e->position - 1,
                                    "Name columns that are the same whenever they are computed.",
                                    "SEARCH and CYCLE by a volatile value are not supported");
    }
    return NULL;
}

/* Rows that closed a cycle lead to no others. */
static struct error *stop_at_mark(struct analysis *a, const struct with_search *x, struct rte *r,
                                  struct select *step)
{
    struct expr *go, *mark = sql__column(a, r, x->mark, -1);
    TRY(sql__call(a, "<>", (struct expr *[]){mark, x->marked}, 2, -1, &go));
    if (step->where) {
        struct expr *both = sql__new_expr(a, EXPR_AND, OID_BOOL, -1, 2);
        both->args[0] = step->where;
        both->args[1] = go;
        go = both;
    }
    step->where = go;
    return NULL;
}

struct error *sql__search(struct analysis *a, const struct cte *c, const struct with_search *x,
                          struct select *all, struct rte *own)
{
    const CommonTableExpr *n = x->with;
    TRY(check_arms(n));
    TRY(check_names(a, c, n));
    if (n->search_clause)
        TRY(check_stable(a, c, n->search_clause->search_col_list, all->right));
    if (n->cycle_clause)
        TRY(check_stable(a, c, n->cycle_clause->cycle_col_list, all->right));
    all->left = around(a, all->left);
    TRY(add_targets(a, c, x, all->left, NULL));
    TRY(add_targets(a, c, x, all->right, own));
    if (n->cycle_clause)
        TRY(stop_at_mark(a, x, own, all->right));
    all->n_targets = all->left->n_targets;
    all->targets = all->left->targets;
    return NULL;
}
