/*
 * One query level: SELECT, VALUES, set operations, WITH.
 *
 * Order of work in a plain select, as in PostgreSQL: WITH, FROM, targets, WHERE, HAVING, ORDER BY,
 * GROUP BY, DISTINCT, LIMIT; then the rules that tie them together (grouping, DISTINCT and ORDER
 * BY).
 */
#include "sql_int.h"

/* ---- WITH
 * ---------------------------------------------------------------------------------------------- */

/* What references see: the result columns, under the names given in WITH x (a, b). */
static void result_columns(struct analysis *a, struct cte *c, const struct target *targets, int n,
                           const List *names)
{
    c->columns = ARENA_ARRAY(a->arena, struct rte_column, MAX(n, 1));
    c->n_columns = n;
    for (int i = 0; i < n; i++) {
        const struct expr *e = targets[i].expr;
        const char *name = targets[i].name;
        if (i < list_length(names))
            name = arena_strdup(a->arena, strVal(list_nth(names, i)));
        c->columns[i] = (struct rte_column){
            .name = name, .type = e->type, .typmod = e->typmod, .domain = e->domain};
    }
}

static void cte_columns(struct analysis *a, struct cte *c, struct select *sel, const List *names)
{
    c->select = sel;
    result_columns(a, c, sel->targets, sel->n_targets, names);
}

static struct error *resolve_unknown(struct analysis *a, struct select *sel)
{
    for (int i = 0; i < sel->n_targets; i++) {
        if (sel->targets[i].expr->type == OID_UNKNOWN)
            TRY(sql__coerce_select_column(a, sel, i, OID_TEXT));
    }
    return NULL;
}

static struct error *recursive_error(struct analysis *a, int position, const char *name,
                                     const char *what)
{
    return sql__at(
        a, error_new("42P19", "recursive reference to query \"%s\" must not appear %s", name, what),
        position - 1);
}

/*
 * What SQLite does with each row by itself, as it takes it from its queue, means the same as in
 * PostgreSQL, which takes all rows of a round together. What looks at several rows does not.
 */
static struct error *check_step(struct analysis *a, const struct cte *c, const struct rte *r,
                                const struct select *step)
{
    const struct select *at = r->owner;
    if (r->nullable)
        return recursive_error(a, r->position, c->name, "within an outer join");
    if (at->n_aggs)
        return sql__at(a,
                       error_new("42P19", "aggregate functions are not allowed in a recursive "
                                          "query's recursive term"),
                       at->aggs[0]->position - 1);
    if (at != step || step->n_group || step->distinct || step->n_distinct_on || step->n_windows ||
        step->limit || step->offset)
        return sql__unsupported(
            a, r->position - 1,
            "Join with the recursive query in the FROM of the second SELECT, and "
            "do the rest in the query that reads the WITH query.",
            "a recursive reference below DISTINCT, GROUP BY, LIMIT, window "
            "functions, set operations or in a subquery is not supported");
    return NULL;
}

/* What stands for it in its step. */
static struct rte *own_rows(const struct analysis *a, const struct cte *c, int first)
{
    int i = first;
    while (((const struct rte *)a->rtes.items[i])->cte != c)
        i++;
    return a->rtes.items[i];
}

/* References to c among the range table's entries from `first` on. */
static struct error *check_references(struct analysis *a, const struct cte *c, int first,
                                      const struct select *step)
{
    int n = 0;
    for (int i = first; i < a->rtes.n; i++) {
        const struct rte *r = a->rtes.items[i];
        if (r->kind != RTE_CTE || r->cte != c)
            continue;
        if (n++)
            return recursive_error(a, r->position, c->name, "more than once");
    }
    for (int i = first; i < a->rtes.n; i++) {
        const struct rte *r = a->rtes.items[i];
        if (r->kind == RTE_CTE && r->cte == c)
            TRY(check_step(a, c, r, step));
    }
    return NULL;
}

static struct error *recursive_form(struct analysis *a, const SelectStmt *q)
{
    const char *what = NULL;
    int location = -1;
    if (q->sortClause) {
        what = "ORDER BY";
        location = sql__location(((const SortBy *)linitial(q->sortClause))->node);
    } else if (q->limitOffset) {
        what = "OFFSET";
        location = sql__location(q->limitOffset);
    } else if (q->limitCount) {
        what = "LIMIT";
        location = sql__location(q->limitCount);
    } else if (q->lockingClause) {
        what = "FOR UPDATE/SHARE";
    }
    if (!what)
        return NULL;
    return sql__at(a, error_new(E_UNSUPPORTED, "%s in a recursive query is not implemented", what),
                   location);
}

/* Column i has the type of the start; the step's is cast to it, unless that would say less. */
static struct error *step_column(struct analysis *a, const struct cte *c, struct select *sel, int i)
{
    const struct expr *l = sel->targets[i].expr, *r = sel->right->targets[i].expr;
    bool castable =
        r->type == l->type || r->type == OID_UNKNOWN || cast_find(r->type, l->type, CAST_IMPLICIT);
    if (castable && (l->typmod < 0 || (r->type == l->type && r->typmod == l->typmod)))
        return sql__coerce_select_column(a, sel->right, i, l->type);
    struct error *e =
        error_new(E_TYPE_MISMATCH,
                  "recursive query \"%s\" column %d has type %s in non-recursive term but "
                  "type %s overall",
                  c->name, i + 1, type_label(l->type, l->typmod, a->arena),
                  sql__type(a, castable ? l->type : r->type));
    error_hint(e, "Cast the output of the non-recursive term to the correct type.");
    return sql__at(a, e, l->position - 1);
}

/* SQLite takes no WITH in the step; what stands there belongs to the whole as well. */
static void hoist_with(struct analysis *a, struct select *sel)
{
    struct select *step = sel->right;
    struct cte **all = ARENA_ARRAY(a->arena, struct cte *, sel->n_ctes + step->n_ctes + 1);
    if (sel->n_ctes)
        memcpy(all, sel->ctes, sizeof(*all) * (size_t)sel->n_ctes);
    if (step->n_ctes)
        memcpy(all + sel->n_ctes, step->ctes, sizeof(*all) * (size_t)step->n_ctes);
    sel->n_ctes += step->n_ctes;
    sel->ctes = all;
    step->n_ctes = 0;
}

static struct error *recursive_cte(struct analysis *a, struct scope *s, struct cte *c,
                                   const CommonTableExpr *n)
{
    const SelectStmt *q = (const SelectStmt *)n->ctequery;
    struct select *sel = sql__new_select(a, SELECT_SETOP, s->select);
    struct scope own = {.parent = s, .select = sel};
    struct with_search added;
    TRY(sql__search_marks(a, s, n, &added));
    TRY(recursive_form(a, q));
    TRY(sql__with(a, &own, q->withClause));
    TRY(sql__select(a, &own, q->larg, &sel->left));
    TRY(resolve_unknown(a, sel->left));
    sel->op = SETOP_UNION;
    sel->all = q->all;
    sel->n_targets = sel->left->n_targets;
    sel->targets = sel->left->targets;
    cte_columns(a, c, sel, n->aliascolnames);
    sql__search_columns(a, c, &added);
    int before = c->n_refs, first = a->rtes.n;
    TRY(sql__select(a, &own, q->rarg, &sel->right));
    c->recursive = c->n_refs > before;
    if (!sel->all) /* UNION leaves each row once, in all rounds */
        sel->right->distinct = false;
    hoist_with(a, sel);
    TRY(check_references(a, c, first, sel->right));
    if (sel->right->n_targets != sel->n_targets)
        return sql__at(a,
                       error_new(E_SYNTAX, "each UNION query must have the same number of columns"),
                       n->location);
    for (int i = 0; i < sel->n_targets; i++)
        TRY(step_column(a, c, sel, i));
    return c->recursive && c->n_added ? sql__search(a, c, &added, sel, own_rows(a, c, first))
                                      : NULL;
}

static struct error *cte(struct analysis *a, struct scope *s, const CommonTableExpr *n,
                         bool recursive)
{
    bool writes = !IsA(n->ctequery, SelectStmt);
    if (writes && s->parent)
        return sql__at(a,
                       error_new(E_UNSUPPORTED, "WITH clause containing a data-modifying statement "
                                                "must be at the top level"),
                       n->location);
    struct cte *c = ARENA_NEW(a->arena, struct cte);
    c->name = arena_strdup(a->arena, n->ctename);
    for (int i = 0; i < s->ctes.n; i++) {
        if (strcmp(((struct cte *)s->ctes.items[i])->name, c->name) == 0)
            return sql__at(
                a, error_new("42712", "WITH query name \"%s\" specified more than once", c->name),
                n->location);
    }
    c->label = arena_printf(a->arena, "minisql_with_%d_%s", a->ctes.n + 1, c->name);
    c->materialized = n->ctematerialized == CTEMaterializeAlways  ? 1
                      : n->ctematerialized == CTEMaterializeNever ? -1
                                                                  : 0;
    const SelectStmt *q = (const SelectStmt *)n->ctequery;
    sql__push(a->arena, &a->ctes, c);
    if (writes) {
        if (IsA(n->ctequery, MergeStmt))
            return sql__at(a, error_new(E_UNSUPPORTED, "MERGE not supported in WITH query"),
                           n->location);
        TRY(sql__write_cte(a, s, n->ctequery, &c->write));
        result_columns(a, c, c->write->returning, c->write->n_returning, n->aliascolnames);
        sql__push(a->arena, &s->ctes, c);
    } else if (recursive && q->op == PG_SETOP_UNION) {
        sql__push(a->arena, &s->ctes, c);
        TRY(recursive_cte(a, s, c, n));
    } else {
        struct select *sel;
        TRY(sql__select(a, s, q, &sel));
        TRY(resolve_unknown(a, sel));
        cte_columns(a, c, sel, n->aliascolnames);
        sql__push(a->arena, &s->ctes, c);
    }
    int named = list_length(n->aliascolnames), available = c->n_columns - c->n_added;
    if (named > available)
        return sql__at(
            a,
            error_new("42P10",
                      "WITH query \"%s\" has %d columns available but %d columns specified",
                      c->name, available, named),
            n->location);
    if (!c->recursive && (n->search_clause || n->cycle_clause))
        return sql__at(a, error_new(E_SYNTAX, "WITH query is not recursive"), n->location);
    return NULL;
}

struct error *sql__with_item(struct analysis *a, struct with *w, int i)
{
    int before = w->current;
    if (w->states[i] != WITH_PENDING)
        return NULL;
    w->states[i] = WITH_BEGUN;
    w->current = i;
    TRY(cte(a, w->scope, list_nth(w->clause->ctes, i), w->clause->recursive));
    w->states[i] = WITH_DONE;
    w->current = before;
    return NULL;
}

struct error *sql__with(struct analysis *a, struct scope *s, const WithClause *w)
{
    int n = w ? list_length(w->ctes) : 0;
    if (!n)
        return NULL;
    s->with = ARENA_NEW(a->arena, struct with);
    *s->with = (struct with){.scope = s, .clause = w, .current = -1};
    s->with->states = arena_alloc(a->arena, sizeof(*s->with->states) * (size_t)n);
    for (int i = 0; i < n; i++)
        TRY(sql__with_item(a, s->with, i));
    if (s->select) {
        s->select->n_ctes = s->ctes.n;
        s->select->ctes = (struct cte **)s->ctes.items;
    }
    return NULL;
}

struct error *sql__no_into(const struct analysis *a, const SelectStmt *n)
{
    return n->intoClause ? sql__at(a, error_new(E_SYNTAX, "SELECT ... INTO is not allowed here"),
                                   n->intoClause->rel->location)
                         : NULL;
}

/* ---- targets
 * -----------------------------------------------------------------------------------------------
 */

static void add_target(struct analysis *a, struct list *l, struct expr *e, const char *name)
{
    struct target *t = ARENA_NEW(a->arena, struct target);
    *t = (struct target){.expr = e, .name = name};
    sql__push(a->arena, l, t);
}

static void expand_item(struct analysis *a, struct list *l, struct name_item *item, int location)
{
    for (int i = 0; i < item->n_columns; i++)
        if (!sql__item_column_unlisted(item, i))
            add_target(a, l, sql__item_column(a, item, i, location),
                       sql__item_column_name(item, i));
}

static void note_star(struct analysis *a, const ColumnRef *c, const struct list *l, int before)
{
    sql__note_star(a, c->location, (const struct target *const *)l->items + before, l->n - before);
}

static struct error *expand_star(struct analysis *a, struct scope *s, const ColumnRef *c,
                                 struct list *l)
{
    int n = list_length(c->fields);
    if (n > 1) {
        const char *name = strVal(list_nth(c->fields, n - 2));
        const char *schema = n > 2 ? strVal(list_nth(c->fields, n - 3)) : NULL;
        for (struct scope *at = s; at; at = at->parent) {
            struct name_item *item = sql__find_item_in(at, schema, name);
            if (!item)
                continue;
            sql__mark_correlated(s, at);
            int before = l->n;
            expand_item(a, l, item, c->location);
            note_star(a, c, l, before);
            return NULL;
        }
        return sql__no_relation(a, s, schema, name, c->location);
    }
    bool any = false;
    int before = l->n;
    for (int i = 0; i < s->items.n; i++) {
        struct name_item *item = s->items.items[i];
        if (!item->columns_visible)
            continue;
        any = true;
        expand_item(a, l, item, c->location);
    }
    note_star(a, c, l, before);
    return any ? NULL
               : sql__at(a, error_new(E_SYNTAX, "SELECT * with no tables specified is not valid"),
                         c->location);
}

static bool is_star(const Node *n)
{
    return IsA(n, ColumnRef) && IsA(llast(((const ColumnRef *)n)->fields), A_Star);
}

/* (t).*, (t.x).* */
static struct error *starred(struct analysis *a, struct scope *s, const A_Indirection *n,
                             int *ret_n, struct target **ret)
{
    struct expr *e;
    int location = sql__location((const Node *)n), before = list_length(n->indirection) - 1;
    if (before == 0 && sql__has_fields(a, s, n->arg))
        return sql__row_fields(a, s, n->arg, ret_n, ret);
    TRY(sql__indirection(a, s, n->arg, n->indirection, before, location, &e));
    return sql__value_fields(a, e, location, ret_n, ret);
}

/* Into one target each. *ret_done false: it is none of these. */
static struct error *expand(struct analysis *a, struct scope *s, const Node *n, struct list *l,
                            bool *ret_done)
{
    const A_Indirection *of = (const A_Indirection *)(const void *)n;
    *ret_done = true;
    if (is_star(n))
        return expand_star(a, s, (const ColumnRef *)n, l);
    if (IsA(n, A_Indirection) && IsA(llast(of->indirection), A_Star)) {
        struct target *fields;
        int count;
        TRY(starred(a, s, of, &count, &fields));
        for (int k = 0; k < count; k++)
            add_target(a, l, fields[k].expr, fields[k].name);
        return NULL;
    }
    *ret_done = false;
    return NULL;
}

struct error *sql__targets(struct analysis *a, struct scope *s, const List *list, int *ret_n,
                           struct target **ret)
{
    struct list l = {0};
    for (int i = 0; i < list_length(list); i++) {
        const ResTarget *t = list_nth(list, i);
        bool done;
        TRY(expand(a, s, t->val, &l, &done));
        if (done)
            continue;
        struct expr *e;
        TRY(sql__expr(a, s, t->val, &e));
        add_target(a, &l, e, arena_strdup(a->arena, t->name ? t->name : sql__column_name(t->val)));
    }
    if (l.n > 1664)
        return error_new("54011", "target lists can have at most 1664 entries");
    *ret_n = l.n;
    *ret = ARENA_ARRAY(a->arena, struct target, MAX(l.n, 1));
    for (int i = 0; i < l.n; i++)
        (*ret)[i] = *(struct target *)l.items[i];
    return NULL;
}

/* ---- GROUP BY, ORDER BY
 * ------------------------------------------------------------------------------------- */

/* A number or a bare name in ORDER BY, GROUP BY, DISTINCT ON may mean a target. *ret -1: it does
 * not. */
static struct error *target_of(struct analysis *a, struct scope *s, const Node *n,
                               struct select *sel, const char *clause, int *ret)
{
    *ret = -1;
    if (IsA(n, A_Const)) {
        const A_Const *c = (const A_Const *)n;
        if (c->isnull || !IsA(&c->val, Integer))
            return sql__at(a, error_new(E_SYNTAX, "non-integer constant in %s", clause),
                           c->location);
        int at = intVal(&c->val);
        if (at < 1 || at > sel->n_targets)
            return sql__at(a,
                           error_new("42P10", "%s position %d is not in select list", clause, at),
                           c->location);
        *ret = at - 1;
        return NULL;
    }
    if (!IsA(n, ColumnRef) || list_length(((const ColumnRef *)n)->fields) != 1 ||
        IsA(linitial(((const ColumnRef *)n)->fields), A_Star))
        return NULL;
    const char *name = strVal(linitial(((const ColumnRef *)n)->fields));
    int location = ((const ColumnRef *)n)->location;
    if (s && strcmp(clause, "GROUP BY") == 0) {
        struct expr *own; /* a column of FROM goes before an alias here */
        TRY(sql__find_column(a, s, name, location, &own));
        if (own)
            return NULL;
    }
    for (int i = 0; i < sel->n_targets; i++) {
        if (strcmp(sel->targets[i].name, name) != 0)
            continue;
        if (*ret >= 0 && !expr_equal(sel->targets[i].expr, sel->targets[*ret].expr))
            return sql__at(a, error_new(E_AMBIGUOUS_COLUMN, "%s \"%s\" is ambiguous", clause, name),
                           location);
        if (*ret < 0)
            *ret = i;
    }
    return NULL;
}

static int equal_target(const struct select *sel, const struct expr *e)
{
    for (int i = 0; i < sel->n_targets; i++) {
        if (expr_equal(sel->targets[i].expr, e))
            return i;
    }
    return -1;
}

/* USING < is ASC, USING > is DESC: there are no other orders of a type. */
static struct error *using_operator(const struct analysis *a, const SortBy *n, bool *ret_descending)
{
    const char *op = strVal(llast(n->useOp));
    bool less = strcmp(op, "<") == 0 || strcmp(op, "~<~") == 0;
    *ret_descending = strcmp(op, ">") == 0 || strcmp(op, "~>~") == 0;
    if (less || *ret_descending)
        return NULL;
    return sql__at(
        a,
        error_hint(error_new("42809", "operator %s is not a valid ordering operator", op),
                   "Ordering operators must be \"<\" or \">\" members of btree "
                   "operator families."),
        n->location);
}

static struct error *order_direction(const struct analysis *a, const SortBy *n,
                                     struct order_item *o)
{
    o->descending = n->sortby_dir == SORTBY_DESC;
    if (n->sortby_dir == SORTBY_USING)
        TRY(using_operator(a, n, &o->descending));
    o->nulls_first = n->sortby_nulls == SORTBY_NULLS_DEFAULT
                         ? o->descending
                         : n->sortby_nulls == SORTBY_NULLS_FIRST;
    o->never_null = !expr_nullable(o->expr);
    return NULL;
}

static struct error *order_items(struct analysis *a, struct scope *s, const List *list,
                                 struct select *sel, int *ret_n, struct order_item **ret)
{
    int n = list_length(list);
    struct order_item *items = ARENA_ARRAY(a->arena, struct order_item, MAX(n, 1));
    for (int i = 0; i < n; i++) {
        const SortBy *by = list_nth(list, i);
        struct order_item *o = &items[i];
        o->target = -1;
        if (sel)
            TRY(target_of(a, s, by->node, sel, "ORDER BY", &o->target));
        if (o->target < 0) {
            TRY(sql__expr(a, s, by->node, &o->expr));
            sql__default_unknown(a, &o->expr);
            o->target = sel ? equal_target(sel, o->expr) : -1;
        } else {
            struct expr **e = &sel->targets[o->target].expr;
            if ((*e)->type == OID_UNKNOWN)
                TRY(sql__coerce_select_column(a, sel, o->target, OID_TEXT));
            o->expr = *e;
        }
        struct error *e = sql__record_rules(a, o->expr, "ORDER BY");
        if (e) {
            e->position = 0;
            return sql__at(a, e, sql__location(by->node));
        }
        TRY(order_direction(a, by, o));
    }
    *ret_n = n;
    *ret = items;
    return NULL;
}

struct error *sql__order(struct analysis *a, struct scope *s, const List *list, int *ret_n,
                         struct order_item **ret)
{
    return order_items(a, s, list, NULL, ret_n, ret);
}

/* An expression of GROUP BY or DISTINCT ON. */
static struct error *key_item(struct analysis *a, struct scope *s, const Node *node,
                              struct select *sel, const char *clause, struct expr **ret,
                              int *ret_target)
{
    int target;
    TRY(target_of(a, s, node, sel, clause, &target));
    *ret_target = target;
    if (target >= 0) {
        if (sel->targets[target].expr->type == OID_UNKNOWN)
            TRY(sql__coerce_select_column(a, sel, target, OID_TEXT));
        *ret = sel->targets[target].expr;
    } else {
        TRY(sql__expr(a, s, node, ret));
        sql__default_unknown(a, ret);
    }
    return sql__record_rules(a, *ret, clause);
}

static struct error *key_list(struct analysis *a, struct scope *s, const List *list,
                              struct select *sel, const char *clause, int *ret_n,
                              struct expr ***ret)
{
    *ret_n = list_length(list);
    *ret = ARENA_ARRAY(a->arena, struct expr *, MAX(*ret_n, 1));
    for (int i = 0, target; i < *ret_n; i++)
        TRY(key_item(a, s, list_nth(list, i), sel, clause, &(*ret)[i], &target));
    return NULL;
}

/* ---- GROUPING SETS ------------------------------------------------------------------------ */

/*
 * GROUP BY is a list of elements; each is a list of sets (an expression: the one set of it), and
 * the sets of the whole are those of the product. A set is a mask of the keys.
 */
enum { MAX_SETS = 128, MAX_SET_KEYS = 64 };

struct set_list {
    int n;
    uint64_t sets[MAX_SETS];
};

struct set_reader {
    struct analysis *a;
    struct scope *s;
    struct select *sel;
    bool sets;        /* some are written */
    struct list keys; /* struct expr, each once */
    int targets[MAX_SET_KEYS];
};

static struct error *too_many_sets(const struct analysis *a)
{
    return sql__unsupported(a, -1, "Use several statements.",
                            "more than %d grouping sets or %d keys of them are not supported",
                            MAX_SETS, MAX_SET_KEYS);
}

static bool is_key_list(const Node *n)
{
    return IsA(n, RowExpr) && ((const RowExpr *)n)->row_format == COERCE_IMPLICIT_CAST;
}

/* a, or (a, b): one set. */
static struct error *read_keys(struct set_reader *r, const Node *n, uint64_t *ret)
{
    if (is_key_list(n)) {
        const List *list = ((const RowExpr *)n)->args;
        for (int i = 0; i < list_length(list); i++)
            TRY(read_keys(r, list_nth(list, i), ret));
        return NULL;
    }
    struct expr *e;
    int target, at = 0;
    TRY(key_item(r->a, r->s, n, r->sel, "GROUP BY", &e, &target));
    while (at < r->keys.n && !expr_equal(r->keys.items[at], e))
        at++;
    if (at >= MAX_SET_KEYS)
        return too_many_sets(r->a);
    if (at == r->keys.n) {
        r->targets[at] = target;
        sql__push(r->a->arena, &r->keys, e);
    } else if (r->sets && target >= 0 && r->targets[at] >= 0 && target != r->targets[at]) {
        return sql__unsupported(r->a, sql__location(n), "Use one of them.",
                                "grouping sets of two result columns that are the same expression "
                                "are not supported");
    }
    *ret |= (uint64_t)1 << at;
    return NULL;
}

static struct error *add_set(const struct analysis *a, struct set_list *l, uint64_t set)
{
    if (l->n == MAX_SETS)
        return too_many_sets(a);
    l->sets[l->n++] = set;
    return NULL;
}

static struct error *read_sets(struct set_reader *r, const Node *n, struct set_list *ret);

/* ROLLUP: (a, b, c), (a, b), (a), (). CUBE: all subsets. */
static struct error *read_generated(struct set_reader *r, const GroupingSet *n,
                                    struct set_list *ret)
{
    uint64_t part[16] = {0};
    int count = list_length(n->content);
    if (count > (int)ARRAY_LEN(part))
        return too_many_sets(r->a);
    for (int i = 0; i < count; i++)
        TRY(read_keys(r, list_nth(n->content, i), &part[i]));
    bool cube = n->kind == GROUPING_SET_CUBE;
    unsigned last = cube ? (1u << count) - 1 : (unsigned)count;
    for (unsigned k = 0; k <= last; k++) {
        uint64_t set = 0;
        for (int i = 0; i < count; i++)
            if (cube ? !(k >> i & 1) : i < count - (int)k)
                set |= part[i];
        TRY(add_set(r->a, ret, set));
    }
    return NULL;
}

static struct error *read_sets(struct set_reader *r, const Node *n, struct set_list *ret)
{
    if (!IsA(n, GroupingSet)) {
        uint64_t set = 0;
        TRY(read_keys(r, n, &set));
        return add_set(r->a, ret, set);
    }
    const GroupingSet *g = (const GroupingSet *)n;
    if (g->kind == GROUPING_SET_EMPTY)
        return add_set(r->a, ret, 0);
    if (g->kind != GROUPING_SET_SETS)
        return read_generated(r, g, ret);
    TRY(sql__enter(r->a, -1));
    for (int i = 0; i < list_length(g->content); i++)
        TRY(read_sets(r, list_nth(g->content, i), ret));
    sql__leave(r->a);
    return NULL;
}

static struct error *multiply(const struct analysis *a, struct set_list *all,
                              const struct set_list *by)
{
    struct set_list product = {0};
    for (int i = 0; i < all->n; i++) {
        for (int k = 0; k < by->n; k++)
            TRY(add_set(a, &product, all->sets[i] | by->sets[k]));
    }
    *all = product;
    return NULL;
}

static void remove_equal(struct set_list *l)
{
    int n = 0;
    for (int i = 0; i < l->n; i++) {
        bool seen = false;
        for (int k = 0; k < n; k++)
            seen |= l->sets[k] == l->sets[i];
        if (!seen)
            l->sets[n++] = l->sets[i];
    }
    l->n = n;
}

static bool has_sets(const List *group)
{
    for (int i = 0; i < list_length(group); i++) {
        if (IsA(list_nth(group, i), GroupingSet))
            return true;
    }
    return false;
}

static struct error *group_clause(struct analysis *a, struct scope *s, const SelectStmt *n,
                                  struct select *sel)
{
    bool sets = has_sets(n->groupClause);
    struct set_reader r = {.a = a, .s = s, .sel = sel, .sets = sets};
    struct set_list all = {.n = 1};
    s->clause = CLAUSE_GROUP;
    for (int i = 0; i < list_length(n->groupClause); i++) {
        struct set_list one = {0};
        TRY(read_sets(&r, list_nth(n->groupClause, i), &one));
        TRY(multiply(a, &all, &one));
    }
    sel->n_group = r.keys.n;
    sel->group = (struct expr **)r.keys.items;
    if (n->groupDistinct)
        remove_equal(&all);
    if (!sets)
        return NULL;
    sel->n_sets = all.n;
    sel->sets = ARENA_ARRAY(a->arena, uint64_t, all.n);
    memcpy(sel->sets, all.sets, sizeof(uint64_t) * (size_t)all.n);
    return NULL;
}

static bool find_agg(void *ctx, const struct expr *e)
{
    bool *found = ctx;
    *found |= e->kind == EXPR_AGG;
    return !*found;
}

/* It is printed in steps, which are subqueries. */
static bool is_deep_over_groups(const struct expr *e)
{
    bool found = false;
    if (e && expr_height(e) > SQL_EMIT_HEIGHT)
        expr_walk(e, false, find_agg, &found);
    return found;
}

static bool has_deep_over_groups(const struct select *sel)
{
    bool found = is_deep_over_groups(sel->having);
    for (int i = 0; i < sel->n_targets && !found; i++)
        found = is_deep_over_groups(sel->targets[i].expr);
    for (int i = 0; i < sel->n_order && !found; i++)
        found = is_deep_over_groups(sel->order[i].expr);
    return found;
}

/* SQLite lets no subquery read an aggregate of the query around, but where it can be one itself:
 * the groups are made below, as those of sets are. */
static struct error *sets_to_read(struct analysis *a, struct select *sel)
{
    bool needed = sel->read_below || (sel->n_aggs && has_deep_over_groups(sel));
    if (!needed || sel->n_sets)
        return NULL;
    if (sel->n_group > MAX_SET_KEYS)
        return too_many_sets(a);
    sel->n_sets = 1;
    sel->sets = ARENA_NEW(a->arena, uint64_t);
    *sel->sets = sel->n_group ? ~(uint64_t)0 >> (MAX_SET_KEYS - sel->n_group) : 0;
    return NULL;
}

/* Where a key is left out, it is NULL. */
static void make_nullable(struct analysis *a, const struct select *sel)
{
    for (int i = 0; i < a->rtes.n; i++) {
        struct rte *r = a->rtes.items[i];
        r->nullable |= r->owner == sel;
    }
}

/* ---- the rules of grouping
 * -------------------------------------------------------------------------------------- */

struct grouping {
    struct analysis *a;
    struct select *sel;
    struct error *error;
    bool in_subquery;
};

static bool in_group(const struct select *sel, const struct expr *e)
{
    for (int i = 0; i < sel->n_group; i++) {
        if (expr_equal(sel->group[i], e))
            return true;
    }
    return false;
}

static bool column_in_group(const struct select *sel, const struct rte *r, int column)
{
    for (int i = 0; i < sel->n_group; i++) {
        const struct expr *g = sel->group[i];
        if (g->kind == EXPR_COLUMN && g->col.rte == r && g->col.column == column)
            return true;
    }
    return false;
}

/* All columns of the table's primary key are grouped by: the others follow from it. */
static bool key_in_group(const struct select *sel, const struct rte *r)
{
    for (int k = 0; r->kind == RTE_TABLE && !sel->n_sets && k < r->table->n_keys; k++) {
        const struct key *key = &r->table->keys[k];
        bool all = key->primary && !key->deferrable;
        for (int i = 0; i < key->n_columns && all; i++)
            all = column_in_group(sel, r, key->columns[i]);
        if (all)
            return true;
    }
    return false;
}

/* The same of all the sets: the column becomes a key of each. */
static bool key_in_sets(struct analysis *a, struct select *sel, const struct expr *e)
{
    uint64_t common = ~(uint64_t)0;
    struct select in_all = {.n_group = 0};
    for (int i = 0; i < sel->n_sets; i++)
        common &= sel->sets[i];
    if (!sel->n_sets || sel->n_group == MAX_SET_KEYS)
        return false;
    in_all.group = ARENA_ARRAY(a->arena, struct expr *, sel->n_group + 1);
    for (int i = 0; i < sel->n_group; i++)
        if (common >> i & 1)
            in_all.group[in_all.n_group++] = sel->group[i];
    if (!key_in_group(&in_all, e->col.rte))
        return false;
    memcpy(in_all.group, sel->group, sizeof(*sel->group) * (size_t)sel->n_group);
    in_all.group[sel->n_group] = (struct expr *)(uintptr_t)e;
    for (int i = 0; i < sel->n_sets; i++)
        sel->sets[i] |= (uint64_t)1 << sel->n_group;
    sel->group = in_all.group;
    sel->n_group++;
    return true;
}

static bool check_grouped(void *ctx, const struct expr *e);

static void check_direct(struct grouping *g, const struct expr *e)
{
    for (int i = 0; i < e->n_args && !g->error; i++) {
        expr_walk(e->args[i], false, check_grouped, g);
        if (g->error)
            error_detail(g->error, "Direct arguments of an ordered-set aggregate must use only "
                                   "grouped columns.");
    }
}

static bool check_grouped(void *ctx, const struct expr *e)
{
    struct grouping *g = ctx;
    if (g->error || in_group(g->sel, e))
        return false;
    if (e->kind == EXPR_AGG && e->call.func->kind == FUNC_ORDERED)
        check_direct(g, e);
    if (e->kind == EXPR_AGG || e->kind == EXPR_GROUPING)
        return false;
    if (e->kind == EXPR_SUBQUERY) {
        bool before = g->in_subquery;
        for (int i = 0; i < e->n_args; i++)
            expr_walk(e->args[i], false, check_grouped, g);
        g->in_subquery = true;
        select_walk(e->sub.select, true, check_grouped, g);
        g->in_subquery = before;
        return false;
    }
    for (int i = 0; i < e->n_left_out; i++)
        expr_walk(e->args[e->n_args + i], false, check_grouped, g);
    if (e->kind != EXPR_COLUMN || e->col.rte->owner != g->sel)
        return true;
    if (key_in_group(g->sel, e->col.rte) || key_in_sets(g->a, g->sel, e)) {
        e->col.rte->by_key = true;
        return true;
    }
    const char *table = e->col.rte->name;
    const char *column = e->col.column < 0 ? "ctid" : e->col.rte->columns[e->col.column].name;
    if (g->in_subquery)
        g->error = error_new(
            E_GROUPING, "subquery uses ungrouped column \"%s.%s\" from outer query", table, column);
    else
        g->error = error_new(E_GROUPING,
                             "column \"%s.%s\" must appear in the GROUP BY clause or be used in an "
                             "aggregate function",
                             table, column);
    sql__at(g->a, g->error, e->position - 1);
    return false;
}

static struct error *grouped(struct grouping *g, const struct expr *e)
{
    if (e)
        expr_walk(e, false, check_grouped, g);
    return g->error;
}

static struct error *grouping_rules(struct analysis *a, const struct select *sel)
{
    for (int i = 0; i < sel->n_groupings; i++) {
        const struct expr *g = sel->groupings[i];
        for (int k = 0; k < g->n_args; k++) {
            if (!in_group(sel, g->args[k]))
                return sql__at(a,
                               error_new(E_GROUPING, "arguments to GROUPING must be grouping "
                                                     "expressions of the associated query level"),
                               g->args[k]->position - 1);
        }
    }
    return NULL;
}

static struct error *group_rules(struct analysis *a, struct select *sel)
{
    TRY(grouping_rules(a, sel));
    struct grouping g = {.a = a, .sel = sel};
    for (int i = 0; i < sel->n_targets; i++)
        TRY(grouped(&g, sel->targets[i].expr));
    TRY(grouped(&g, sel->having));
    for (int i = 0; i < sel->n_order; i++)
        TRY(grouped(&g, sel->order[i].expr));
    for (int i = 0; i < sel->n_windows; i++) {
        const struct window *w = sel->windows[i];
        for (int k = 0; k < w->n_partition; k++)
            TRY(grouped(&g, w->partition[k]));
        for (int k = 0; k < w->n_order; k++)
            TRY(grouped(&g, w->order[k].expr));
    }
    return NULL;
}

/* ---- whose columns ----------------------------------------------------------------------- */

struct levels {
    const struct select *own;
    bool inner, outer, aggregate;
    const struct expr *window;
};

static bool find_levels(void *ctx, const struct expr *e)
{
    struct levels *l = ctx;
    if (e->kind == EXPR_COLUMN && e->col.rte->owner == l->own)
        l->inner = true;
    /* of a query around this one: not of a subquery below it */
    for (const struct select *p = l->own->parent; p && e->kind == EXPR_COLUMN; p = p->parent)
        l->outer |= e->col.rte->owner == p;
    if (e->kind == EXPR_COLUMN && !e->col.rte->owner)
        l->outer = true; /* the target of a write */
    l->aggregate |= e->kind == EXPR_AGG;
    if (e->kind == EXPR_WINDOW)
        l->window = e;
    return true;
}

/* ---- windows
 * ------------------------------------------------------------------------------------------------------
 */

static const WindowDef *named_window(const struct scope *s, const char *name)
{
    for (int i = 0; i < s->named_windows.n; i++) {
        const WindowDef *d = s->named_windows.items[i];
        if (d->name && strcmp(d->name, name) == 0)
            return d;
    }
    return NULL;
}

static const char *frame_bound(int options, bool start)
{
    if (options &
        (start ? FRAMEOPTION_START_UNBOUNDED_PRECEDING : FRAMEOPTION_END_UNBOUNDED_PRECEDING))
        return "UNBOUNDED PRECEDING";
    if (options &
        (start ? FRAMEOPTION_START_UNBOUNDED_FOLLOWING : FRAMEOPTION_END_UNBOUNDED_FOLLOWING))
        return "UNBOUNDED FOLLOWING";
    if (options & (start ? FRAMEOPTION_START_CURRENT_ROW : FRAMEOPTION_END_CURRENT_ROW))
        return "CURRENT ROW";
    if (options & (start ? FRAMEOPTION_START_OFFSET_PRECEDING : FRAMEOPTION_END_OFFSET_PRECEDING))
        return "%s PRECEDING";
    return "%s FOLLOWING";
}

/* The same for types/frame.c */
static char bound_code(int options, bool start)
{
    const char *text = frame_bound(options, start);
    bool preceding = strstr(text, "PRECEDING") != NULL;
    return *text == 'C' ? 'c' : *text == 'U' ? (preceding ? 'U' : 'u') : preceding ? 'p' : 'f';
}

/* A call or cast of constants becomes its value. */
static struct error *fold_calls(struct analysis *a, struct expr *e, struct expr **ret)
{
    *ret = e;
    const struct func *f = e->kind == EXPR_FUNC || e->kind == EXPR_CAST ? e->call.func : NULL;
    bool same = e->kind == EXPR_CAST && !f; /* the value stays as it is */
    bool call = same || (f && f->call && !f->volatile_ && e->n_args <= FUNC_MAX_ARGS + 1);
    struct value args[FUNC_MAX_ARGS + 1] = {0};
    for (int i = 0; i < e->n_args && call; i++) {
        TRY(fold_calls(a, e->args[i], &e->args[i]));
        call = e->args[i]->kind == EXPR_CONST && e->args[i]->value.kind != VALUE_NULL;
        args[i] = e->args[i]->value;
    }
    if (!call)
        return NULL;
    struct value v = args[0];
    if (!same)
        TRY(sql__at(a, f->call(args, e->n_args, a->arena, &v), e->position - 1));
    *ret = sql__const(a, e->type, v, e->position - 1);
    return NULL;
}

/* SQLite takes a literal or a parameter for an offset, and anything else for NULL. */
static bool is_plain(const struct expr *e)
{
    while (e && e->kind == EXPR_CAST && !e->call.func)
        e = e->args[0];
    return !e || e->kind == EXPR_CONST || e->kind == EXPR_PARAM;
}

static struct error *constant_offset(struct analysis *a, const struct scope *s,
                                     const struct expr *e, const Node *n, const char *unit)
{
    struct levels l = {.own = s->select};
    expr_walk(e, true, find_levels, &l);
    if (l.aggregate)
        return sql__at(
            a, error_new(E_GROUPING, "aggregate functions are not allowed in window %s", unit),
            sql__location(n));
    if (!l.inner && !l.window)
        return NULL;
    return sql__at(a, error_new("42P10", "argument of %s must not contain variables", unit),
                   sql__location(n));
}

static struct error *frame_offset(struct analysis *a, struct scope *s, const Node *n,
                                  const char *unit, struct expr **ret)
{
    if (!n)
        return NULL;
    TRY(sql__expr(a, s, n, ret));
    TRY(constant_offset(a, s, *ret, n, unit));
    if (!sql__can_coerce(*ret, OID_INT8, CAST_ASSIGNMENT))
        return sql__at(a,
                       error_new(E_TYPE_MISMATCH, "argument of %s must be type bigint, not type %s",
                                 unit, sql__type(a, (*ret)->type)),
                       sql__location(n));
    TRY(sql__coerce(a, *ret, OID_INT8, -1, CAST_ASSIGNMENT, ret));
    return fold_calls(a, *ret, ret);
}

static struct error *range_offset(struct analysis *a, struct scope *s, const Node *n, uint32_t key,
                                  struct expr **ret)
{
    if (!n)
        return NULL;
    struct expr *e;
    uint32_t type = types_range_offset(key);
    TRY(sql__expr(a, s, n, &e));
    TRY(constant_offset(a, s, e, n, "RANGE"));
    if (!type)
        return sql__at(a,
                       error_new(E_UNSUPPORTED,
                                 "RANGE with offset PRECEDING/FOLLOWING is not "
                                 "supported for column type %s",
                                 sql__type(a, key)),
                       sql__location(n));
    if (!sql__can_coerce(e, type, CAST_IMPLICIT))
        return error_hint(sql__at(a,
                                  error_new(E_UNSUPPORTED,
                                            "RANGE with offset PRECEDING/FOLLOWING is not "
                                            "supported for column type %s and offset type %s",
                                            sql__type(a, key), sql__type(a, e->type)),
                                  sql__location(n)),
                          "Cast the offset value to an appropriate type.");
    TRY(sql__coerce(a, e, type, -1, CAST_IMPLICIT, &e));
    return fold_calls(a, e, ret);
}

static struct error *range_offsets(struct analysis *a, struct scope *s, const WindowDef *d,
                                   struct window *w)
{
    if (w->n_order != 1)
        return sql__at(a,
                       error_new("42P20", "RANGE with offset PRECEDING/FOLLOWING requires exactly "
                                          "one ORDER BY column"),
                       d->location);
    uint32_t key = w->order[0].expr->type;
    TRY(range_offset(a, s, d->startOffset, key, &w->frame_start));
    return range_offset(a, s, d->endOffset, key, &w->frame_end);
}

/* SQLite's RANGE adds an offset to the stored key. */
static bool is_own_frame(const WindowDef *d, const struct window *w)
{
    bool offset = d->startOffset || d->endOffset, range = d->frameOptions & FRAMEOPTION_RANGE;
    uint32_t key = w->n_order ? w->order[0].expr->type : 0;
    return offset && (!is_plain(w->frame_start) || !is_plain(w->frame_end) ||
                      (range && types_range_offset(key) != OID_INT8));
}

static struct error *frame(struct analysis *a, struct scope *s, const WindowDef *d,
                           struct window *w)
{
    int o = d->frameOptions;
    w->frame = "";
    if (!(o & FRAMEOPTION_NONDEFAULT))
        return NULL;
    const char *unit = o & FRAMEOPTION_ROWS ? "ROWS" : o & FRAMEOPTION_GROUPS ? "GROUPS" : "RANGE";
    const char *exclude = o & FRAMEOPTION_EXCLUDE_CURRENT_ROW ? " EXCLUDE CURRENT ROW"
                          : o & FRAMEOPTION_EXCLUDE_GROUP     ? " EXCLUDE GROUP"
                          : o & FRAMEOPTION_EXCLUDE_TIES      ? " EXCLUDE TIES"
                                                              : "";
    if ((o & FRAMEOPTION_GROUPS) && !w->n_order)
        return sql__at(a, error_new("42P20", "GROUPS mode requires an ORDER BY clause"),
                       d->location);
    if ((o & FRAMEOPTION_RANGE) && (d->startOffset || d->endOffset)) {
        TRY(range_offsets(a, s, d, w));
    } else {
        TRY(frame_offset(a, s, d->startOffset, unit, &w->frame_start));
        TRY(frame_offset(a, s, d->endOffset, unit, &w->frame_end));
    }
    w->frame = arena_printf(a->arena, "%s BETWEEN %s AND %s%s", unit, frame_bound(o, true),
                            frame_bound(o, false), exclude);
    if (is_own_frame(d, w))
        w->over = arena_printf(a->arena, "%c%c%c%c",
                               o & FRAMEOPTION_ROWS     ? 'o'
                               : o & FRAMEOPTION_GROUPS ? 'g'
                                                        : 'r',
                               bound_code(o, true), bound_code(o, false),
                               *exclude ? exclude[9] + 0x20 : 'n');
    const struct expr *offsets[2] = {w->frame_start, w->frame_end};
    for (int i = 0; i < 2; i++) {
        if (offsets[i] && offsets[i]->kind == EXPR_CONST && offsets[i]->value.kind == VALUE_NULL)
            return error_new("22004", "frame %s offset must not be null",
                             i ? "ending" : "starting");
    }
    return NULL;
}

static struct error *window_parts(struct analysis *a, struct scope *s, const WindowDef *d,
                                  struct window *w)
{
    const WindowDef *base = NULL;
    if (d->refname) {
        base = named_window(s, d->refname);
        if (!base)
            return sql__at(
                a, error_new(E_UNDEFINED_OBJECT, "window \"%s\" does not exist", d->refname),
                d->location);
        if (d->partitionClause)
            return sql__at(a,
                           error_new("42P20",
                                     "cannot override PARTITION BY clause of window \"%s\"",
                                     d->refname),
                           d->location);
        if (d->orderClause && base->orderClause)
            return sql__at(
                a,
                error_new("42P20", "cannot override ORDER BY clause of window \"%s\"", d->refname),
                d->location);
        if (base->frameOptions & FRAMEOPTION_NONDEFAULT)
            return sql__at(a,
                           error_new("42P20",
                                     "cannot copy window \"%s\" because it has a frame clause",
                                     d->refname),
                           d->location);
        TRY(window_parts(a, s, base, w));
    }
    int n = list_length(d->partitionClause);
    if (n) {
        w->partition = ARENA_ARRAY(a->arena, struct expr *, n);
        for (int i = 0; i < n; i++) {
            TRY(sql__expr(a, s, list_nth(d->partitionClause, i), &w->partition[i]));
            sql__default_unknown(a, &w->partition[i]);
            TRY(sql__record_rules(a, w->partition[i], "PARTITION BY"));
        }
        w->n_partition = n;
    }
    if (d->orderClause)
        TRY(order_items(a, s, d->orderClause, NULL, &w->n_order, &w->order));
    return frame(a, s, d, w);
}

struct error *sql__window(struct analysis *a, struct scope *s, const WindowDef *def,
                          struct window **ret)
{
    const WindowDef *d = def;
    if (def->name) { /* OVER name */
        d = named_window(s, def->name);
        if (!d)
            return sql__at(a,
                           error_new(E_UNDEFINED_OBJECT, "window \"%s\" does not exist", def->name),
                           def->location);
    }
    struct window *w = ARENA_NEW(a->arena, struct window);
    w->id = a->n_windows++;
    enum clause before = s->clause;
    s->clause = CLAUSE_WINDOW;
    TRY(window_parts(a, s, d, w));
    s->clause = before;
    sql__push(a->arena, &s->windows, w);
    *ret = w;
    return NULL;
}

/* SQLite's ORDER BY and GROUP BY do not see enclosing queries. A key of their columns alone is
 * constant here, and the emitter leaves it out; a mixed one is not possible. */
static struct error *check_key_levels(struct analysis *a, const struct select *sel,
                                      const struct expr *e, const char *clause)
{
    struct levels l = {.own = sel};
    expr_walk(e, true, find_levels, &l);
    if (l.inner && l.outer)
        return sql__unsupported(a, e->position - 1, "Use columns of the subquery itself there.",
                                "%s that mixes columns of a subquery and of the query around it is "
                                "not supported",
                                clause);
    return NULL;
}

/* ---- LIMIT, DISTINCT, locking
 * -------------------------------------------------------------------------------------- */

static struct error *limit_value(struct analysis *a, struct scope *s, const Node *n,
                                 enum clause clause, struct expr **ret)
{
    if (!n || (IsA(n, A_Const) && ((const A_Const *)n)->isnull))
        return clause == CLAUSE_LIMIT && n && s->select->with_ties
                   ? error_new("2201W",
                               "row count cannot be null in FETCH FIRST ... WITH TIES clause")
                   : NULL;
    enum clause before = s->clause;
    s->clause = clause;
    TRY(sql__expr(a, s, n, ret));
    s->clause = before;
    const char *name = clause == CLAUSE_LIMIT ? "LIMIT" : "OFFSET";
    struct levels l = {.own = s->select};
    expr_walk(*ret, true, find_levels, &l);
    s->select->limit_varies |= l.outer;
    if (l.inner)
        return sql__at(a, error_new("42P10", "argument of %s must not contain variables", name),
                       sql__location(n));
    if (!sql__can_coerce(*ret, OID_INT8, CAST_ASSIGNMENT))
        return sql__at(a,
                       error_new(E_TYPE_MISMATCH, "argument of %s must be type bigint, not type %s",
                                 name, sql__type(a, (*ret)->type)),
                       sql__location(n));
    TRY(sql__coerce(a, *ret, OID_INT8, -1, CAST_ASSIGNMENT, ret));
    if ((*ret)->kind == EXPR_CONST && (*ret)->value.kind == VALUE_INT && (*ret)->value.i < 0)
        return error_new(clause == CLAUSE_LIMIT ? "2201W" : "2201X", "%s must not be negative",
                         name);
    return NULL;
}

enum {
    PARSED_LIMIT_WITH_TIES = 2
}; /* libpg_query puts a LIMIT_OPTION_DEFAULT in front of PostgreSQL's */

static struct error *ties(struct analysis *a, const SelectStmt *n, struct select *sel)
{
    for (int i = 0; i < sel->n_order && sel->n_distinct_on; i++) {
        if (sel->order[i].target < 0)
            return sql__unsupported(a, sql__location(n->limitCount), "Use rank() in a subquery.",
                                    "FETCH FIRST ... WITH TIES is not supported here");
    }
    sel->with_ties = true;
    return NULL;
}

static struct error *limits(struct analysis *a, struct scope *s, const SelectStmt *n,
                            struct select *sel)
{
    if ((int)n->limitOption == PARSED_LIMIT_WITH_TIES)
        TRY(ties(a, n, sel));
    TRY(limit_value(a, s, n->limitCount, CLAUSE_LIMIT, &sel->limit));
    return limit_value(a, s, n->limitOffset, CLAUSE_OFFSET, &sel->offset);
}

/* The first key of DISTINCT ON that is not among the first n items of ORDER BY. */
static int unordered_key(const struct select *sel, int n)
{
    for (int k = 0; k < sel->n_distinct_on; k++) {
        bool found = false;
        for (int i = 0; i < n; i++)
            found |= expr_equal(sel->distinct_on[k], sel->order[i].expr);
        if (!found)
            return k;
    }
    return 0;
}

static struct error *distinct_rules(struct analysis *a, const struct select *sel, const List *on)
{
    for (int i = 0; i < sel->n_order && sel->distinct; i++) {
        if (sel->order[i].target < 0)
            return sql__at(
                a,
                error_new("42P10",
                          "for SELECT DISTINCT, ORDER BY expressions must appear in select list"),
                sel->order[i].expr->position - 1);
    }
    if (!sel->n_distinct_on)
        return NULL;
    for (int i = 0; i < sel->n_order && i < sel->n_distinct_on; i++) {
        bool found = false;
        for (int k = 0; k < sel->n_distinct_on; k++)
            found |= expr_equal(sel->distinct_on[k], sel->order[i].expr);
        if (!found)
            return sql__at(
                a,
                error_new("42P10",
                          "SELECT DISTINCT ON expressions must match initial ORDER BY expressions"),
                sql__location(list_nth(on, unordered_key(sel, i))));
    }
    return NULL;
}

static struct error *distinct(struct analysis *a, struct scope *s, const SelectStmt *n,
                              struct select *sel)
{
    if (!n->distinctClause)
        return NULL;
    if (linitial(n->distinctClause) == NULL) {
        sel->distinct = true;
        for (int i = 0; i < sel->n_targets; i++)
            TRY(sql__record_rules(a, sel->targets[i].expr, "SELECT DISTINCT"));
    } else {
        s->clause = CLAUSE_DISTINCT_ON;
        TRY(key_list(a, s, n->distinctClause, sel, "SELECT DISTINCT ON", &sel->n_distinct_on,
                     &sel->distinct_on));
    }
    return distinct_rules(a, sel, n->distinctClause);
}

static struct error *lock_item(const struct name_item *item, const char *strength, bool named)
{
    const struct rte *r = item->rte;
    if (!r && named)
        return error_new(E_UNSUPPORTED, "%s cannot be applied to a join", strength);
    if (r && r->kind == RTE_TABLE && r->table->query)
        return error_new("42809", "cannot lock rows in materialized view \"%s\"", r->table->name);
    if (r && r->kind == RTE_CTE && named)
        return error_new(E_UNSUPPORTED, "%s cannot be applied to a WITH query", strength);
    if (r && r->kind == RTE_TABLE && r->nullable)
        return error_new(E_UNSUPPORTED,
                         "%s cannot be applied to the nullable side of an outer join", strength);
    return NULL;
}

/* FOR UPDATE OF t: whatever is named, the region's writer is what is taken. */
static struct error *lock_items(struct analysis *a, const struct scope *s, const LockingClause *l,
                                const char *strength)
{
    for (int i = 0; i < s->items.n && !l->lockedRels; i++)
        TRY(lock_item(s->items.items[i], strength, false));
    for (int i = 0; i < list_length(l->lockedRels); i++) {
        const RangeVar *rv = list_nth(l->lockedRels, i);
        const struct name_item *item = sql__find_item((struct scope *)s, rv->relname);
        if (!item)
            return sql__at(a,
                           error_new(E_UNDEFINED_TABLE,
                                     "relation \"%s\" in %s clause not found in FROM clause",
                                     rv->relname, strength),
                           rv->location);
        struct error *e = lock_item(item, strength, true);
        if (e)
            return item->rte ? e : sql__at(a, e, rv->location);
    }
    return NULL;
}

/* "row in relation "t"": of the first table that is named, or read. */
static const char *locked_name(struct analysis *a, const struct scope *s, const LockingClause *l)
{
    const struct name_item *item = NULL;
    if (l->lockedRels)
        item =
            sql__find_item((struct scope *)s, ((const RangeVar *)linitial(l->lockedRels))->relname);
    for (int i = 0; i < s->items.n && !item; i++)
        item = s->items.items[i];
    const struct table *t = item && item->rte ? item->rte->table : NULL;
    return t ? arena_printf(a->arena, "row in relation \"%s\"", t->name) : "rows";
}

static struct error *locking(struct analysis *a, const struct scope *s, const SelectStmt *n,
                             struct select *sel)
{
    const char *const strength[] = {"", "FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE",
                                    "FOR UPDATE"};
    for (int i = 0; i < list_length(n->lockingClause); i++) {
        const LockingClause *l = list_nth(n->lockingClause, i);
        const char *what = NULL;
        if (sel->kind == SELECT_SETOP)
            what = "UNION/INTERSECT/EXCEPT";
        else if (sel->kind == SELECT_VALUES)
            what = "VALUES";
        else if (sel->distinct || sel->n_distinct_on)
            what = "DISTINCT clause";
        else if (sel->n_group || sel->n_sets)
            what = "GROUP BY clause";
        else if (sel->having)
            what = "HAVING clause";
        else if (sel->n_aggs)
            what = "aggregate functions";
        else if (sel->n_windows)
            what = "window functions";
        if (what)
            return error_new(E_UNSUPPORTED, "%s is not allowed with %s", strength[l->strength],
                             what);
        TRY(lock_items(a, s, l, strength[l->strength]));
        if (l->waitPolicy == LockWaitError && !a->q->nowait)
            a->q->nowait = locked_name(a, s, l);
        sel->for_update = true;
        a->q->locks = true;
    }
    return NULL;
}

/* ---- the three kinds
 * -------------------------------------------------------------------------------------------------
 */

static struct expr *joined(struct analysis *a, enum expr_kind kind, struct expr **list, int n)
{
    if (n == 1)
        return list[0];
    struct expr *e = sql__new_expr(a, kind, OID_BOOL, list[0]->position - 1, n);
    memcpy(e->args, list, sizeof(*list) * (size_t)n);
    return e;
}

static int index_of(struct expr *const *list, int n, const struct expr *e)
{
    for (int i = 0; i < n; i++)
        if (expr_equal(list[i], e))
            return i;
    return -1;
}

/* (a AND b) OR (a AND c) is a AND (b OR c), as PostgreSQL makes it, too: a may tie two tables,
 * which would be joined in all combinations otherwise. */
static struct expr *factored(struct analysis *a, struct expr *e)
{
    struct expr ***arms = ARENA_ARRAY(a->arena, struct expr **, e->n_args), **common;
    int *n = ARENA_ARRAY(a->arena, int, e->n_args), n_common = 0;
    for (int i = 0; i < e->n_args; i++)
        n[i] = expr_conjuncts(e->args[i], a->arena, &arms[i]);
    common = ARENA_ARRAY(a->arena, struct expr *, n[0] + 1);
    for (int k = 0; k < n[0]; k++) {
        bool everywhere = index_of(common, n_common, arms[0][k]) < 0;
        for (int i = 1; i < e->n_args && everywhere; i++)
            everywhere = index_of(arms[i], n[i], arms[0][k]) >= 0;
        if (everywhere)
            common[n_common++] = arms[0][k];
    }
    if (!n_common)
        return e;
    struct expr **rest = ARENA_ARRAY(a->arena, struct expr *, e->n_args);
    for (int i = 0; i < e->n_args; i++) {
        int left = 0;
        for (int k = 0; k < n[i]; k++)
            if (index_of(common, n_common, arms[i][k]) < 0)
                arms[i][left++] = arms[i][k];
        if (!left) /* the others say no more than this one */
            return joined(a, EXPR_AND, common, n_common);
        rest[i] = joined(a, EXPR_AND, arms[i], left);
    }
    common[n_common] = joined(a, EXPR_OR, rest, e->n_args);
    return joined(a, EXPR_AND, common, n_common + 1);
}

/* Of the conjuncts of a WHERE. */
static struct expr *factor_conjuncts(struct analysis *a, struct expr *e)
{
    struct expr **list;
    int n = expr_conjuncts(e, a->arena, &list);
    if (a->as_written)
        return e;
    bool any = false;
    for (int i = 0; i < n; i++) {
        struct expr *f = list[i]->kind == EXPR_OR ? factored(a, list[i]) : list[i];
        any |= f != list[i];
        list[i] = f;
    }
    if (!any)
        return e;
    struct buf flat = {0};
    for (int i = 0; i < n; i++) { /* AND is flattened */
        struct expr **parts;
        int k = expr_conjuncts(list[i], a->arena, &parts);
        buf_append(&flat, parts, sizeof(*parts) * (size_t)k);
    }
    struct expr *ret =
        joined(a, EXPR_AND, (struct expr **)flat.data, (int)(flat.len / sizeof(struct expr *)));
    buf_done(&flat);
    return ret;
}

static struct error *where_and_having(struct analysis *a, struct scope *s, const SelectStmt *n,
                                      struct select *sel)
{
    if (n->whereClause) {
        s->clause = CLAUSE_WHERE;
        TRY(sql__expr(a, s, n->whereClause, &sel->where));
        TRY(sql__boolean(a, sel->where, "WHERE", &sel->where));
        sel->where = sql__simplify_condition(a, factor_conjuncts(a, sel->where));
    }
    if (n->havingClause) {
        s->clause = CLAUSE_HAVING;
        TRY(sql__expr(a, s, n->havingClause, &sel->having));
        TRY(sql__boolean(a, sel->having, "HAVING", &sel->having));
    }
    return NULL;
}

/* What may not be a key of GROUP BY or ORDER BY. */
static struct error *key_rules(struct analysis *a, const struct select *sel)
{
    for (int i = 0; i < sel->n_group; i++) {
        struct levels l = {.own = sel};
        const struct expr *e = sel->group[i];
        expr_walk(e, false, find_levels, &l);
        if (l.aggregate)
            return sql__at(a,
                           error_new(E_GROUPING, "aggregate functions are not allowed in GROUP BY"),
                           e->position - 1);
        if (l.window)
            return sql__at(a, error_new("42P20", "window functions are not allowed in GROUP BY"),
                           l.window->position - 1);
        TRY(check_key_levels(a, sel, e, "GROUP BY"));
    }
    for (int i = 0; i < sel->n_order; i++)
        TRY(check_key_levels(a, sel, sel->order[i].expr, "ORDER BY"));
    return NULL;
}

static struct error *plain_select(struct analysis *a, struct scope *s, const SelectStmt *n,
                                  struct select *sel, struct select **ret)
{
    TRY(sql__no_into(a, n));
    TRY(sql__from(a, s, n->fromClause));
    if (has_sets(n->groupClause))
        make_nullable(a, sel);
    for (int i = 0; i < list_length(n->windowClause); i++) {
        WindowDef *d = list_nth(n->windowClause, i);
        if (named_window(s, d->name))
            return sql__at(a, error_new("42P20", "window \"%s\" is already defined", d->name),
                           d->location);
        sql__push(a->arena, &s->named_windows, d);
    }
    s->clause = CLAUSE_SELECT;
    TRY(sql__targets(a, s, n->targetList, &sel->n_targets, &sel->targets));
    TRY(where_and_having(a, s, n, sel));
    s->clause = CLAUSE_ORDER;
    TRY(order_items(a, s, n->sortClause, sel, &sel->n_order, &sel->order));
    TRY(group_clause(a, s, n, sel));
    TRY(distinct(a, s, n, sel));
    TRY(limits(a, s, n, sel));
    sel->n_aggs = s->aggs.n;
    sel->aggs = (struct expr **)s->aggs.items;
    sel->n_windows = s->windows.n;
    sel->windows = (struct window **)s->windows.items;
    sel->n_groupings = s->groupings.n;
    sel->groupings = (struct expr **)s->groupings.items;
    sql__finish_projections(a, s, sel);
    TRY(sets_to_read(a, sel));
    sel->grouped = sel->n_group || sel->n_sets || sel->n_aggs || sel->n_groupings || sel->having;
    if (sel->n_sets) /* which have all that the list has */
        sel->n_aggs = select_used_aggs(sel, sel->aggs);
    TRY(key_rules(a, sel));
    TRY(locking(a, s, n, sel));
    *ret = sql__project_over(a, s, sel);
    return sel->grouped ? group_rules(a, sel) : NULL;
}

/* What tells a column's type: that of several rows or arms, which need not agree in all of it. */
static struct expr *with_typmod(struct analysis *a, struct expr *e, int32_t typmod, uint32_t domain)
{
    if (e->typmod == typmod && e->domain == domain)
        return e;
    struct expr *own = ARENA_NEW(a->arena, struct expr);
    *own = *e;
    own->typmod = typmod;
    own->domain = domain;
    return own;
}

static struct error *values_columns(struct analysis *a, struct select *sel)
{
    struct expr **column = ARENA_ARRAY(a->arena, struct expr *, sel->n_rows);
    for (int c = 0; c < sel->n_targets; c++) {
        uint32_t type = OID_UNKNOWN;
        bool known = false;
        for (int r = 0; r < sel->n_rows; r++) {
            column[r] = sel->rows[r][c];
            known |= column[r]->type != OID_UNKNOWN;
        }
        if (known || sel->n_rows > 1) {
            TRY(sql__common_type(a, column, sel->n_rows, "VALUES", &type));
            for (int r = 0; r < sel->n_rows; r++)
                TRY(sql__coerce(a, column[r], type, -1, CAST_IMPLICIT, &sel->rows[r][c]));
        }
        for (int r = 0; r < sel->n_rows; r++)
            column[r] = sel->rows[r][c];
        sel->targets[c].expr =
            with_typmod(a, column[0], sql__common_typmod(column, sel->n_rows, column[0]->type),
                        sql__common_domain(column, sel->n_rows));
        sel->targets[c].name = arena_printf(a->arena, "column%d", c + 1);
    }
    return NULL;
}

static struct error *values_row(struct analysis *a, struct scope *s, const List *row, int *ret_n,
                                struct expr ***ret)
{
    struct list l = {0};
    for (int i = 0; i < list_length(row); i++) {
        struct list columns = {0};
        struct expr *e;
        bool done;
        TRY(expand(a, s, list_nth(row, i), &columns, &done));
        for (int k = 0; k < columns.n; k++)
            sql__push(a->arena, &l, ((const struct target *)columns.items[k])->expr);
        if (done)
            continue;
        TRY(sql__expr(a, s, list_nth(row, i), &e));
        sql__push(a->arena, &l, e);
    }
    *ret_n = l.n;
    *ret = (struct expr **)l.items;
    return NULL;
}

static struct error *values(struct analysis *a, struct scope *s, const SelectStmt *n,
                            struct select *sel)
{
    sel->n_rows = list_length(n->valuesLists);
    sel->rows = ARENA_ARRAY(a->arena, struct expr **, sel->n_rows);
    s->clause = CLAUSE_VALUES;
    for (int r = 0; r < sel->n_rows; r++) {
        const List *row = list_nth(n->valuesLists, r);
        int width;
        TRY(values_row(a, s, row, &width, &sel->rows[r]));
        if (r && width != sel->n_targets)
            return sql__at(a, error_new(E_SYNTAX, "VALUES lists must all be the same length"),
                           sql__location(linitial(row)));
        sel->n_targets = width;
    }
    sel->targets = ARENA_ARRAY(a->arena, struct target, MAX(sel->n_targets, 1));
    TRY(values_columns(a, sel));
    s->clause = CLAUSE_ORDER;
    TRY(order_items(a, s, n->sortClause, sel, &sel->n_order, &sel->order));
    TRY(limits(a, s, n, sel));
    return locking(a, s, n, sel);
}

static const char *setop_name(enum setop op)
{
    return op == SETOP_UNION ? "UNION" : op == SETOP_INTERSECT ? "INTERSECT" : "EXCEPT";
}

static struct error *setop_columns(struct analysis *a, struct select *sel)
{
    struct select *l = sel->left, *r = sel->right;
    const char *name = setop_name(sel->op);
    if (l->n_targets != r->n_targets)
        return sql__at(
            a, error_new(E_SYNTAX, "each %s query must have the same number of columns", name),
            r->n_targets ? r->targets[0].expr->position - 1 : -1);
    sel->n_targets = l->n_targets;
    sel->targets = ARENA_ARRAY(a->arena, struct target, MAX(l->n_targets, 1));
    for (int i = 0; i < l->n_targets; i++) {
        struct expr *both[2] = {l->targets[i].expr, r->targets[i].expr};
        uint32_t type;
        TRY(sql__common_type(a, both, 2, name, &type));
        int32_t typmod = sql__common_typmod(both, 2, type);
        uint32_t domain = sql__common_domain(both, 2);
        TRY(sql__coerce_select_column(a, l, i, type));
        TRY(sql__coerce_select_column(a, r, i, type));
        for (int k = 0; k < 2 && !sel->all; k++)
            TRY(sql__record_rules(a, both[k], name));
        sel->targets[i] = l->targets[i];
        sel->targets[i].expr = with_typmod(a, l->targets[i].expr, typmod, domain);
    }
    return NULL;
}

/* ORDER BY of a set operation sees the result columns only. */
static struct error *setop_order(struct analysis *a, const SelectStmt *n, struct select *sel)
{
    int count = list_length(n->sortClause);
    sel->order = ARENA_ARRAY(a->arena, struct order_item, MAX(count, 1));
    for (int i = 0; i < count; i++) {
        const SortBy *by = list_nth(n->sortClause, i);
        struct order_item *o = &sel->order[i];
        TRY(target_of(a, NULL, by->node, sel, "ORDER BY", &o->target));
        if (o->target < 0) {
            if (IsA(by->node, ColumnRef)) {
                const ColumnRef *c = (const ColumnRef *)by->node;
                if (list_length(c->fields) == 1)
                    return sql__at(a,
                                   error_new(E_UNDEFINED_COLUMN, "column \"%s\" does not exist",
                                             strVal(linitial(c->fields))),
                                   c->location);
            }
            struct error *e =
                error_new(E_UNSUPPORTED, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause");
            error_detail(e, "Only result column names can be used, not expressions or functions.");
            error_hint(e, "Add the expression/function to every SELECT, or move the UNION into a "
                          "FROM clause.");
            return sql__at(a, e, sql__location(by->node));
        }
        o->expr = sel->targets[o->target].expr;
        TRY(order_direction(a, by, o));
        o->never_null = false;
    }
    sel->n_order = count;
    return NULL;
}

static struct error *setop(struct analysis *a, struct scope *s, const SelectStmt *n,
                           struct select *sel)
{
    sel->op = n->op == PG_SETOP_UNION       ? SETOP_UNION
              : n->op == PG_SETOP_INTERSECT ? SETOP_INTERSECT
                                            : SETOP_EXCEPT;
    sel->all = n->all;
    TRY(sql__select(a, s, n->larg, &sel->left));
    TRY(sql__select(a, s, n->rarg, &sel->right));
    TRY(setop_columns(a, sel));
    TRY(setop_order(a, n, sel));
    TRY(limits(a, s, n, sel));
    return locking(a, s, n, sel);
}

struct error *sql__select(struct analysis *a, struct scope *parent, const SelectStmt *n,
                          struct select **ret)
{
    TRY(sql__enter(a, -1));
    enum select_kind kind = n->op != SETOP_NONE ? SELECT_SETOP
                            : n->valuesLists    ? SELECT_VALUES
                                                : SELECT_PLAIN;
    struct select *sel = sql__new_select(a, kind, parent ? parent->select : NULL);
    struct scope s = {.parent = parent, .select = sel};
    TRY(sql__with(a, &s, n->withClause));
    if (kind == SELECT_SETOP)
        TRY(setop(a, &s, n, sel));
    else if (kind == SELECT_VALUES)
        TRY(values(a, &s, n, sel));
    else
        TRY(plain_select(a, &s, n, sel, &sel));
    sql__leave(a);
    *ret = sel;
    return NULL;
}
