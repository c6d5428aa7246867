/*
 * Views that are written to.
 *
 * A view that is simple enough stands for the table that it reads: the statement's target is that
 * table, the view's columns are names for expressions over it (a name_item, as USING makes them),
 * and the conditions of the view, and of those that it is over, join the statement's own. What
 * makes a view too simple or not is PostgreSQL's list, in its order.
 *
 * WITH CHECK OPTION: the view's condition over the row as it is going to be, each column replaced
 * by the value that it gets, guards one of these values.
 */
#include "sql_int.h"

/* ---- why not -------------------------------------------------------------------------------- */

static const char single[] =
    "Views that do not select from a single table or view are not automatically updatable.";

/* What the text of the SELECT says. */
static const char *refused_shape(const SelectStmt *n)
{
    if (n->distinctClause)
        return "Views containing DISTINCT are not automatically updatable.";
    if (n->groupClause)
        return "Views containing GROUP BY are not automatically updatable.";
    if (n->havingClause)
        return "Views containing HAVING are not automatically updatable.";
    if (n->op != SETOP_NONE)
        return "Views containing UNION, INTERSECT, or EXCEPT are not automatically updatable.";
    if (n->withClause)
        return "Views containing WITH are not automatically updatable.";
    if (n->limitCount || n->limitOffset)
        return "Views containing LIMIT or OFFSET are not automatically updatable.";
    return NULL;
}

static const char *refused_scope(const struct scope *s)
{
    if (s->aggs.n)
        return "Views that return aggregate functions are not automatically updatable.";
    if (s->windows.n)
        return "Views that return window functions are not automatically updatable.";
    if (s->projections.n)
        return "Views that return set-returning functions are not automatically updatable.";
    return NULL;
}

/* Not from one table: aggregates count before that. */
static const char *refused_from(struct analysis *a, const SelectStmt *n)
{
    struct select *sel;
    if (n->valuesLists)
        return single;
    struct error *e = sql__select(a, NULL, n, &sel);
    const char *why = e             ? single
                      : sel->n_aggs ? "Views that return aggregate functions are not automatically "
                                      "updatable."
                      : sel->n_windows ? "Views that return window functions are not automatically "
                                         "updatable."
                                       : single;
    error_free(e);
    return why;
}

static struct error *not_updatable(const struct object *view, enum query_kind kind, const char *why)
{
    static const struct {
        enum query_kind kind;
        const char *what, *event, *doing;
    } all[] = {{QUERY_INSERT, "insert into", "INSERT", "inserting into"},
               {QUERY_UPDATE, "update", "UPDATE", "updating"},
               {QUERY_DELETE, "delete from", "DELETE", "deleting from"}};
    size_t i = 0;
    while (i + 1 < ARRAY_LEN(all) && all[i].kind != kind)
        i++;
    struct error *e = error_new("55000", "cannot %s view \"%s\"", all[i].what, view->name);
    error_detail(e, "%s", why);
    return error_hint(e,
                      "To enable %s the view, provide an INSTEAD OF %s trigger or an "
                      "unconditional ON %s DO INSTEAD rule.",
                      all[i].doing, all[i].event, all[i].event);
}

struct error *sql__not_a_view_column(const struct analysis *a, const struct write_view *v,
                                     int column)
{
    bool insert = a->q->kind == QUERY_INSERT && !a->q->write->conflict;
    return error_detail(
        error_new(E_UNSUPPORTED, "cannot %s column \"%s\" of view \"%s\"",
                  insert ? "insert into" : "update", v->columns[column].name, v->named->name),
        "View columns that are not columns of their base relation are not updatable.");
}

/* ---- the view as names over its table --------------------------------------------------------
 */

/* AS t (x, y) */
static void rename_columns(const struct analysis *a, const Alias *alias, struct name_item *item)
{
    for (int i = 0; alias && i < item->n_columns && i < list_length(alias->colnames); i++)
        item->columns[i].name = arena_strdup(a->arena, strVal(list_nth(alias->colnames, i)));
}

static struct name_item *new_item(struct analysis *a, const char *name, int n)
{
    struct name_item *item = ARENA_NEW(a->arena, struct name_item);
    *item = (struct name_item){.name = name,
                               .n_columns = n,
                               .columns = ARENA_ARRAY(a->arena, struct name_column, MAX(n, 1)),
                               .table_visible = true,
                               .columns_visible = true};
    return item;
}

static struct name_item *table_item(struct analysis *a, struct rte *r, const char *name)
{
    struct name_item *item = new_item(a, name, r->n_columns);
    int n = 0;
    for (int i = 0; i < r->n_columns; i++)
        if (!r->columns[i].dropped)
            item->columns[n++] =
                (struct name_column){.name = r->columns[i].name, .expr = sql__column(a, r, i, -1)};
    item->n_columns = n;
    return item;
}

static struct error *resolve(struct analysis *a, const struct object *view, enum query_kind kind,
                             struct write_view *v, struct name_item **ret);

/* What the view reads, as it calls it; *ret NULL: it is not a table or a view of that kind. */
static struct error *source_item(struct analysis *a, const SelectStmt *n, enum query_kind kind,
                                 struct write_view *v, struct name_item **ret)
{
    const RangeVar *rv = list_length(n->fromClause) == 1 ? linitial(n->fromClause) : NULL;
    const struct table *t = NULL;
    const struct object *inner = NULL;
    *ret = NULL;
    if (!rv || !IsA(rv, RangeVar) || n->valuesLists || sql__sequence_table(a, rv))
        return NULL;
    TRY(sql__find_source(a, rv, &t, &inner));
    if (t && (t->id == 0 || t->query))
        return NULL;
    const char *name = arena_strdup(a->arena, rv->alias ? rv->alias->aliasname : rv->relname);
    if (inner) {
        struct name_item *below;
        TRY(resolve(a, inner, kind, v, &below));
        *ret = new_item(a, name, below->n_columns);
        memcpy((*ret)->columns, below->columns, sizeof(*below->columns) * (size_t)below->n_columns);
    } else {
        v->base = sql__base_rte(a, t, name, -1);
        sql__hide_later(a, t->id, v->base);
        *ret = table_item(a, v->base, name);
    }
    rename_columns(a, rv->alias, *ret);
    return NULL;
}

static bool is_base_column(const struct write_view *v, const struct expr *e)
{
    return e->kind == EXPR_COLUMN && e->col.rte == v->base && e->col.column >= 0;
}

static void add_condition(struct analysis *a, struct write_view *v, const struct object *view,
                          struct expr *where)
{
    struct view_condition *c = ARENA_NEW(a->arena, struct view_condition);
    *c = (struct view_condition){view, where};
    sql__push(a->arena, &v->conditions, c);
}

static struct error *read_view(struct analysis *a, const SelectStmt *n, const struct object *view,
                               enum query_kind kind, struct write_view *v, struct name_item **ret)
{
    const char *why = refused_shape(n);
    struct scope s = {.select = a->q->write->select, .clause = CLAUSE_SELECT, .from_done = true};
    struct name_item *source;
    struct target *targets;
    struct expr *where = NULL;
    int count, updatable = 0;
    if (why)
        return not_updatable(view, kind, why);
    TRY(source_item(a, n, kind, v, &source));
    if (!source)
        return not_updatable(view, kind, refused_from(a, n));
    sql__push(a->arena, &s.items, source);
    TRY(sql__targets(a, &s, n->targetList, &count, &targets));
    if ((why = refused_scope(&s)))
        return not_updatable(view, kind, why);
    s.clause = CLAUSE_WHERE;
    if (n->whereClause) {
        TRY(sql__expr(a, &s, n->whereClause, &where));
        TRY(sql__boolean(a, where, "WHERE", &where));
    }
    add_condition(a, v, view, where);
    *ret = new_item(a, view->name, count);
    for (int i = 0; i < count; i++) {
        sql__default_unknown(a, &targets[i].expr);
        (*ret)->columns[i] =
            (struct name_column){.name = view->relation->columns[i].name, .expr = targets[i].expr};
        updatable += is_base_column(v, targets[i].expr);
    }
    return updatable || kind == QUERY_DELETE
               ? NULL
               : not_updatable(
                     view, kind,
                     "Views that have no updatable columns are not automatically updatable.");
}

static struct error *resolve(struct analysis *a, const struct object *view, enum query_kind kind,
                             struct write_view *v, struct name_item **ret)
{
    struct view_reading r;
    TRY(sql__enter(a, -1));
    TRY(sql__begin_view(a, view, &r));
    struct error *e = read_view(a, (const SelectStmt *)r.script.stmts[0].node, view, kind, v, ret);
    e = sql__end_view(a, &r, e);
    sql__leave(a);
    return e;
}

struct error *sql__view_target(struct analysis *a, const RangeVar *rv, const struct object *view,
                               struct write_view **ret)
{
    struct write_view *v = ARENA_NEW(a->arena, struct write_view);
    struct name_item *item;
    v->named = view;
    TRY(resolve(a, view, a->q->kind, v, &item));
    item->name = arena_strdup(a->arena, rv->alias ? rv->alias->aliasname : rv->relname);
    v->item = item;
    v->n_columns = item->n_columns;
    v->columns = item->columns;
    *ret = v;
    return NULL;
}

int sql__view_column(const struct write_view *v, const char *name)
{
    for (int i = 0; i < v->n_columns; i++)
        if (strcmp(v->named->relation->columns[i].name, name) == 0)
            return i;
    return -1;
}

int sql__base_column(const struct write_view *v, int column)
{
    const struct expr *e = v->columns[column].expr;
    return is_base_column(v, e) ? e->col.column : -1;
}

/* The conditions of the view and of those beneath join the statement's. */
void sql__add_view_conditions(struct analysis *a, const struct write_view *v, struct expr **where)
{
    for (int i = 0; v && i < v->conditions.n; i++) {
        const struct view_condition *c = v->conditions.items[i];
        if (!c->where)
            continue;
        if (!*where) {
            *where = c->where;
            continue;
        }
        struct expr *both = sql__new_expr(a, EXPR_AND, OID_BOOL, -1, 2);
        both->args[0] = c->where;
        both->args[1] = *where;
        *where = both;
    }
}

/* EXCLUDED, by the view's names. */
struct name_item *sql__excluded_item(struct analysis *a, const struct write_view *v,
                                     struct rte *excluded)
{
    struct name_item *item = new_item(a, "excluded", v->n_columns);
    int n = 0;
    for (int i = 0; i < v->n_columns; i++) {
        int c = sql__base_column(v, i);
        if (c >= 0)
            item->columns[n++] = (struct name_column){.name = v->columns[i].name,
                                                      .expr = sql__column(a, excluded, c, -1)};
    }
    item->n_columns = n;
    return item;
}

/* ---- WITH CHECK OPTION ----------------------------------------------------------------------- */

struct substitution {
    struct analysis *a;
    const struct rte *base;
    struct expr **values; /* by column; NULL: it stays as it is */
    bool insert;          /* .. or there is none */
    bool failed;
};

static struct expr *new_value(struct substitution *s, struct expr *e)
{
    struct expr *value = s->values[e->col.column];
    s->failed |= value ? expr_is_volatile(value) : s->insert;
    return value ? value : e;
}

/* Shares what has no column of the row. */
static struct expr *over_new_row(struct substitution *s, struct expr *e)
{
    if (is_base_column(&(struct write_view){.base = (struct rte *)(uintptr_t)s->base}, e))
        return new_value(s, e);
    if (e->kind == EXPR_SUBQUERY) {
        s->failed = true;
        return e;
    }
    struct expr *copy = NULL;
    for (int i = 0; i < e->n_args; i++) {
        struct expr *arg = over_new_row(s, e->args[i]);
        if (arg == e->args[i])
            continue;
        if (!copy) {
            copy = ARENA_NEW(s->a->arena, struct expr);
            *copy = *e;
            copy->args = ARENA_ARRAY(s->a->arena, struct expr *, e->n_args);
            memcpy(copy->args, e->args, sizeof(*e->args) * (size_t)e->n_args);
        }
        copy->args[i] = arg;
    }
    return copy ? copy : e;
}

static struct expr *violation(struct analysis *a, const struct object *view, const char *function)
{
    struct expr *call = sql__new_expr(a, EXPR_FUNC, OID_BOOL, -1, 1);
    uint32_t types[1] = {OID_TEXT};
    call->args[0] = sql__const(
        a, OID_TEXT, (struct value){.kind = VALUE_TEXT, .s = {view->name, strlen(view->name)}}, -1);
    error_free(func_resolve(function, FUNC_SCALAR, types, 1, &call->call.func));
    return call;
}

/* A CASTED condition comes before its view's: those beneath first, as PostgreSQL asks them. */
static bool is_checked(const struct write_view *v, int i)
{
    bool cascaded = false;
    for (int k = i; k < v->conditions.n; k++) {
        char option = ((const struct view_condition *)v->conditions.items[k])->view->check_option;
        if (k == i && option)
            return true;
        cascaded |= k > i && option == CHECK_CASCADED;
    }
    return cascaded;
}

bool sql__has_check_option(const struct write_view *v)
{
    for (int i = 0; v && i < v->conditions.n; i++)
        if (((const struct view_condition *)v->conditions.items[i])->view->check_option)
            return true;
    return false;
}

/* One of the values of the new row, which they guard: values[guarded]. */
struct error *sql__check_option(struct analysis *a, const struct write_view *v,
                                struct expr **values, int guarded, bool insert, struct expr **ret)
{
    struct list cases = {0};
    for (int i = 0; i < v->conditions.n; i++) {
        const struct view_condition *c = v->conditions.items[i];
        struct substitution s = {a, v->base, values, insert, false};
        if (!c->where || !is_checked(v, i))
            continue;
        struct expr *test = sql__new_expr(a, EXPR_IS, OID_BOOL, -1, 1);
        test->test = IS_NOT_TRUE;
        test->args[0] = over_new_row(&s, c->where);
        if (s.failed)
            return sql__unsupported(
                a, -1, "Write to the table itself.",
                "WITH CHECK OPTION with a subquery, or of a value that is volatile or generated, "
                "is not supported");
        sql__push(a->arena, &cases, test);
        sql__push(a->arena, &cases, violation(a, c->view, "minisql_view_violated"));
    }
    *ret = values[guarded];
    if (!cases.n)
        return NULL;
    struct expr *guard =
        sql__new_expr(a, EXPR_CASE, (*ret)->type, (*ret)->position - 1, cases.n + 1);
    memcpy(guard->args, cases.items, sizeof(*guard->args) * (size_t)cases.n);
    guard->args[cases.n] = *ret;
    guard->typmod = (*ret)->typmod;
    *ret = guard;
    return NULL;
}

/* ON CONFLICT DO UPDATE of a row that the view does not show. */
void sql__refuse_hidden(struct analysis *a, const struct write_view *v, struct expr **where)
{
    for (int i = v ? v->conditions.n : 0; i-- > 0;) {
        const struct view_condition *c = v->conditions.items[i];
        if (!c->where)
            continue;
        struct expr *test = sql__new_expr(a, EXPR_IS, OID_BOOL, -1, 1);
        struct expr *guard = sql__new_expr(a, EXPR_CASE, OID_BOOL, -1, 3);
        test->test = IS_NOT_TRUE;
        test->args[0] = c->where;
        guard->args[0] = test;
        guard->args[1] = violation(a, c->view, "minisql_view_hides");
        guard->args[2] = *where ? *where : sql__const_int(a, OID_BOOL, 1);
        *where = guard;
    }
}

/* ---- what catalogs tell ---------------------------------------------------------------------- */

/* As for a statement that is being analysed, of which nothing is kept. */
static const char *why_not(struct analysis *a, const struct object *view, enum query_kind kind,
                           struct write_view *v, struct name_item **item)
{
    a->q->kind = kind;
    a->q->write = ARENA_NEW(a->arena, struct write);
    a->q->write->select = sql__new_select(a, SELECT_PLAIN, NULL);
    struct error *e = resolve(a, view, kind, v, item);
    const char *why = !e ? NULL : arena_strdup(a->arena, e->detail ? e->detail : e->message);
    error_free(e);
    return why;
}

const char *sql__why_not_updatable(struct analysis *a, const struct object *view)
{
    struct analysis own = {.ctx = a->ctx,
                           .path = a->path,
                           .arena = a->arena,
                           .script = a->script,
                           .q = ARENA_NEW(a->arena, struct query)};
    struct write_view v = {0};
    struct name_item *item;
    own.q->style = a->q->style;
    return why_not(&own, view, QUERY_UPDATE, &v, &item);
}

void sql_view_updatable(const struct catalog_view *view, const struct object *o,
                        struct arena *arena, struct sql_updatable *ret)
{
    struct sql_context ctx = {.view = view};
    struct sql_script script = {.text = "", .parsed = ""};
    struct analysis a = {.ctx = &ctx,
                         .arena = arena,
                         .script = &script,
                         .path = sql__path(&ctx, arena),
                         .q = ARENA_NEW(arena, struct query)};
    struct write_view v = {0}, unused = {0};
    struct name_item *item = NULL, *other;
    *ret =
        (struct sql_updatable){.columns = ARENA_ARRAY(arena, bool, MAX(o->relation->n_columns, 1))};
    ret->deletes = !why_not(&a, o, QUERY_DELETE, &v, &item);
    ret->updates = ret->deletes && !why_not(&a, o, QUERY_UPDATE, &unused, &other);
    v.columns = item ? item->columns : NULL;
    for (int i = 0; ret->updates && i < o->relation->n_columns; i++)
        ret->columns[i] = sql__base_column(&v, i) >= 0;
}
