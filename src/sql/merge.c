/*
 * MERGE -> one INSERT, UPDATE or DELETE for each WHEN (write->parts), over the same source.
 *
 * A pair of rows goes to the first WHEN whose condition holds, so each part's WHERE also says that
 * no earlier one did. Whoever executes it finds the rows of all parts before it changes any
 * (plan/stage.c), so that no part sees what another did.
 */
#include "sql_int.h"

struct merge {
    struct analysis *a;
    struct write *w;
    struct scope *s;
    struct expr *on;
    struct name_item *target;
    struct list before[2]; /* conditions of the WHENs so far: NOT MATCHED, MATCHED; NULL: always */
    struct list parts;
};

static struct error *unreachable(struct merge *m, const MergeWhenClause *n)
{
    const struct list *before = &m->before[n->matched];
    if (!before->n || before->items[before->n - 1])
        return NULL;
    return error_new(E_SYNTAX, "unreachable WHEN clause specified after unconditional WHEN clause");
}

static struct expr *test(struct merge *m, struct expr *e, enum is_test is)
{
    struct expr *t = sql__new_expr(m->a, EXPR_IS, OID_BOOL, e->position - 1, 1);
    t->args[0] = e;
    t->test = is;
    return t;
}

/* There is no row of the target. */
static struct expr *unmatched(struct merge *m)
{
    struct expr *rowid = sql__new_expr(m->a, EXPR_COLUMN, OID_INT8, -1, 0);
    rowid->col.rte = m->w->target;
    rowid->col.column = COLUMN_ROWID;
    return test(m, rowid, IS_NULL);
}

static struct expr *part_where(struct merge *m, const MergeWhenClause *n, struct expr *condition)
{
    const struct list *before = &m->before[n->matched];
    struct expr *all = sql__new_expr(m->a, EXPR_AND, OID_BOOL, -1, before->n + 2);
    int at = 0;
    all->args[at++] = n->matched ? m->on : unmatched(m);
    for (int i = 0; i < before->n; i++)
        all->args[at++] = test(m, before->items[i], IS_NOT_TRUE);
    if (condition)
        all->args[at++] = condition;
    all->n_args = at;
    return at > 1 ? all : all->args[0];
}

/* The source; a part that inserts joins it with the target, to see that there is no match. */
static void part_from(struct merge *m, struct write *part)
{
    struct select *own = m->w->select, *s = part->select;
    s->n_from = own->n_from;
    s->from = ARENA_ARRAY(m->a->arena, struct from *, s->n_from);
    memcpy(s->from, own->from, sizeof(*s->from) * (size_t)s->n_from);
    own->n_from = 1; /* what SET (a, b) = (SELECT ..) put there is this part's */
    if (part->kind != QUERY_INSERT)
        return;
    struct from *join = ARENA_NEW(m->a->arena, struct from);
    join->join = JOIN_LEFT;
    join->left = own->from[0];
    join->right = ARENA_NEW(m->a->arena, struct from);
    join->right->rte = m->w->target;
    join->on = m->on;
    s->from[0] = join;
}

static struct error *insert_values(struct merge *m, const MergeWhenClause *n, struct write *part,
                                   struct select *s)
{
    struct analysis *a = m->a;
    const struct table *t = m->w->target->table;
    int named = list_length(n->targetList), given = list_length(n->values);
    int *columns = ARENA_ARRAY(a->arena, int, MAX(named, t->n_columns) + 1), width = 0;
    for (int i = 0; i < t->n_columns && !n->targetList; i++)
        if (!t->columns[i].dropped)
            columns[width++] = i;
    for (int i = 0; i < named; i++)
        TRY(sql__target_column(a, t, list_nth(n->targetList, i), &columns[width++]));
    if (given > width)
        return sql__at(a, error_new(E_SYNTAX, "INSERT has more expressions than target columns"),
                       sql__location(list_nth(n->values, width)));
    if (n->targetList && n->values && given < width)
        return sql__at(a, error_new(E_SYNTAX, "INSERT has more target columns than expressions"),
                       ((const ResTarget *)list_nth(n->targetList, given))->location);
    s->n_targets = t->n_columns;
    s->targets = ARENA_ARRAY(a->arena, struct target, MAX(t->n_columns, 1));
    for (int i = 0; i < given; i++) {
        int c = columns[i];
        const ResTarget *target = named ? list_nth(n->targetList, i) : NULL;
        for (int k = 0; k < i && named; k++) {
            const ResTarget *other = list_nth(n->targetList, k);
            if (columns[k] == c && !(other->indirection && target->indirection))
                return sql__at(a,
                               error_new(E_DUPLICATE_COLUMN,
                                         "column \"%s\" specified more than once",
                                         t->columns[c].name),
                               target->location);
        }
        const Node *value = list_nth(n->values, i);
        if (IsA(value, SetToDefault) && target && target->indirection)
            return sql__no_part_default(a, target);
        if (IsA(value, SetToDefault))
            continue;
        struct expr *e;
        TRY(sql__check_given(t, c, false, n->override == OVERRIDING_NOT_SET));
        TRY(sql__expr(a, m->s, value, &e));
        if (n->override == OVERRIDING_USER_VALUE && t->columns[c].identity)
            continue; /* the value is checked, and not used */
        TRY(sql__put(a, m->s, n->targetList, t, i, c, e, sql__location(value),
                     &s->targets[c].expr));
    }
    for (int c = 0; c < t->n_columns; c++) {
        s->targets[c].name = t->columns[c].name;
        if (!s->targets[c].expr)
            TRY(sql__default_value(a, t, c, &s->targets[c].expr));
    }
    sql__give(a, part, s);
    return NULL;
}

/* The target's columns cannot be named where there is no row of it. */
static void show_target(struct merge *m, bool visible)
{
    struct list *from = visible ? &m->s->siblings : &m->s->items;
    struct list *to = visible ? &m->s->items : &m->s->siblings;
    for (int i = 0; i < from->n; i++) {
        if (from->items[i] != m->target)
            continue;
        sql__push(m->a->arena, to, m->target);
        from->items[i] = from->items[--from->n];
        return;
    }
}

static struct error *when_parts(struct merge *m, const MergeWhenClause *n)
{
    struct analysis *a = m->a;
    struct expr *condition = NULL;
    m->s->clause = CLAUSE_WHERE;
    if (n->condition) {
        TRY(sql__expr(a, m->s, n->condition, &condition));
        TRY(sql__boolean(a, condition, "WHEN", &condition));
    }
    struct write *part = ARENA_NEW(a->arena, struct write);
    part->target = m->w->target;
    part->kind = n->commandType == CMD_INSERT   ? QUERY_INSERT
                 : n->commandType == CMD_UPDATE ? QUERY_UPDATE
                                                : QUERY_DELETE;
    struct select *s = part->select = ARENA_NEW(a->arena, struct select);
    s->original = m->w->select;
    s->n_ctes = m->w->select->n_ctes;
    s->ctes = m->w->select->ctes;
    if (part->kind == QUERY_INSERT) {
        m->s->clause = CLAUSE_VALUES;
        TRY(insert_values(m, n, part, s));
    } else if (part->kind == QUERY_UPDATE && n->commandType == CMD_UPDATE) {
        TRY(sql__assignments(a, m->s, part->target->table, n->targetList, &part->n_set,
                             &part->set));
    }
    s->where = part_where(m, n, condition);
    part_from(m, part);
    sql__push(a->arena, &m->before[n->matched], condition);
    if (n->commandType != CMD_NOTHING)
        sql__push(a->arena, &m->parts, part);
    return NULL;
}

static struct error *when(struct merge *m, const MergeWhenClause *n)
{
    TRY(unreachable(m, n));
    show_target(m, n->matched);
    struct error *e = when_parts(m, n);
    show_target(m, true);
    return e;
}

static struct error *source(struct merge *m, const MergeStmt *n)
{
    ListCell cell = {.ptr_value = n->sourceRelation};
    const List list = {.type = T_List, .length = 1, .max_length = 1, .elements = &cell};
    m->target = sql__add_item(m->a, m->s, m->w->target);
    struct error *e = sql__from(m->a, m->s, &list);
    if (!error_is(e, "42712"))
        return e;
    error_free(e);
    return error_detail(
        error_new("42712", "name \"%s\" specified more than once", m->w->target->name),
        "The name is used both as MERGE target table and data source.");
}

struct error *sql__merge(struct analysis *a, const MergeStmt *n)
{
    struct rte *target = NULL;
    a->q->kind = QUERY_MERGE;
    a->q->tag = "MERGE";
    if (n->withClause && n->withClause->recursive)
        return error_new(E_SYNTAX, "WITH RECURSIVE is not supported for MERGE statement");
    TRY(sql__write_target(a, n->relation, &target));
    struct scope s = {.select = sql__new_select(a, SELECT_PLAIN, NULL)};
    struct merge m = {.a = a, .w = a->q->write, .s = &s};
    m.w->select = s.select;
    TRY(sql__with(a, &s, n->withClause));
    TRY(source(&m, n));
    s.clause = CLAUSE_ON;
    TRY(sql__expr(a, &s, n->joinCondition, &m.on));
    TRY(sql__boolean(a, m.on, "JOIN/ON", &m.on));
    for (int i = 0; i < list_length(n->mergeWhenClauses); i++)
        TRY(when(&m, list_nth(n->mergeWhenClauses, i)));
    m.w->n_parts = m.parts.n;
    m.w->parts = (struct write **)m.parts.items;
    return NULL;
}
