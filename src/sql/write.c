/*
 * INSERT, UPDATE, DELETE.
 *
 * An INSERT's rows are brought into the shape of the table here: every column, in the table's
 * order, with defaults filled in and assignment casts made, so that whoever executes it (SQLite, or
 * a router that looks for the key) reads one shape only.
 *
 * A single integer primary key is SQLite's row id, and SQLite would give a NULL one a number of its
 * own choice: minisql_required() stands in the way.
 */
#include "sql_int.h"

/* pg_attribute.attidentity */
enum { ALWAYS = 'a' };

/* ---- columns and values
 * --------------------------------------------------------------------------------- */

static struct error *view_target(struct analysis *a, const RangeVar *rv, const struct object *view,
                                 struct rte **ret)
{
    struct write_view *v;
    if (a->q->kind == QUERY_MERGE)
        return error_detail(
            error_new(E_UNSUPPORTED, "cannot execute MERGE on relation \"%s\"", view->name),
            "This operation is not supported for views.");
    TRY(sql__view_target(a, rv, view, &v));
    a->q->write->view = v;
    a->q->write->target = *ret = v->base;
    (*ret)->target = true;
    return NULL;
}

static struct error *write_target(struct analysis *a, const RangeVar *rv, struct rte **ret)
{
    const struct table *t;
    const struct object *view;
    TRY(sql__find_source(a, rv, &t, &view));
    a->q->writes = true;
    a->q->counts_rows = true;
    a->q->write = ARENA_NEW(a->arena, struct write);
    a->q->write->kind = a->q->kind;
    if (a->q->kind == QUERY_UPDATE || a->q->kind == QUERY_DELETE)
        a->q->write->select = sql__new_select(a, SELECT_PLAIN, NULL);
    if (view)
        return view_target(a, rv, view, ret);
    if (t->id == 0)
        return sql__at(a, error_new("42501", "permission denied for system table \"%s\"", t->name),
                       rv->location);
    if (t->query && !a->ctx->refreshes)
        return error_new("42809", "cannot change materialized view \"%s\"", t->name);
    *ret = sql__base_rte(a, t, rv->alias ? rv->alias->aliasname : rv->relname, rv->location);
    (*ret)->target = true;
    a->q->write->target = *ret;
    return NULL;
}

/* By whose names the statement is written: the table's, or a view's. */
static struct name_item *add_target(struct analysis *a, struct scope *s, struct rte *target)
{
    const struct write_view *v = a->q->write->view;
    if (!v)
        return sql__add_item(a, s, target);
    sql__push(a->arena, &s->items, v->item);
    return v->item;
}

/* Its number; below 0: column -1 - it of the view, which is no column of the table. -> */
static int named_column(const struct analysis *a, const struct table *t, const char *name,
                        bool *ret_found)
{
    const struct write_view *v = a->q->write->view;
    int c = v ? sql__view_column(v, name) : table_column(t, name);
    *ret_found = c >= 0;
    if (!v || c < 0)
        return c;
    return sql__base_column(v, c) < 0 ? -1 - c : sql__base_column(v, c);
}

static struct error *no_target_column(const struct analysis *a, const struct table *t,
                                      const ResTarget *n)
{
    const struct write_view *v = a->q->write->view;
    return sql__at(a,
                   error_new(E_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist",
                             n->name, v ? v->named->name : t->name),
                   n->location);
}

static struct error *find_target_column(const struct analysis *a, const struct table *t,
                                        const ResTarget *n, int *ret)
{
    bool found;
    *ret = named_column(a, t, n->name, &found);
    if (!found)
        return no_target_column(a, t, n);
    return *ret < 0 ? sql__not_a_view_column(a, a->q->write->view, -1 - *ret) : NULL;
}

/* Does SQLite not refuse NULL here by itself? So it is with a row id, and with a primary key that
 * was added to a table later, as an index. */
static bool needs_guard(const struct table *t, int column)
{
    uint32_t type = t->columns[column].type;
    for (int i = 0; i < t->n_keys; i++) {
        const struct key *k = &t->keys[i];
        bool in_key = false, late = false;
        for (int c = 0; c < k->n_columns; c++)
            in_key |= k->columns[c] == column;
        for (int x = 0; x < t->n_indexes; x++)
            late |= strcmp(t->indexes[x].name, k->name) == 0;
        if (k->primary && in_key)
            return late || (k->n_columns == 1 && type_by_oid(type)->storage == VALUE_INT);
    }
    return false;
}

static struct expr *text_const(struct analysis *a, const char *text)
{
    return sql__const(a, OID_TEXT, (struct value){.kind = VALUE_TEXT, .s = {text, strlen(text)}},
                      -1);
}

/* Casts a value to its column and keeps NULL out of a row id. */
static struct error *fit(struct analysis *a, const struct table *t, int column, struct expr *e,
                         int location, struct expr **ret)
{
    location = location < 0 ? e->position - 1 : location;
    TRY(sql__assign(a, e, &t->columns[column], location, ret));
    if (!needs_guard(t, column) || !expr_nullable(*ret))
        return NULL;
    struct expr *value = *ret;
    uint32_t type = value->type;
    struct expr *call = sql__new_expr(a, EXPR_FUNC, type, value->position - 1, 3);
    static const uint32_t of_storage[] = {[VALUE_INT] = OID_INT8,
                                          [VALUE_REAL] = OID_FLOAT8,
                                          [VALUE_TEXT] = OID_TEXT,
                                          [VALUE_BLOB] = OID_BYTEA};
    const uint32_t types[3] = {of_storage[type_by_oid(type)->storage], OID_TEXT, OID_TEXT};
    call->args[0] = value;
    call->args[1] = text_const(a, table_file_name(t)); /* see sql_name_constraint() */
    call->args[2] = text_const(a, t->columns[column].name);
    TRY(func_resolve("minisql_required", FUNC_SCALAR, types, 3, &call->call.func));
    *ret = call;
    return NULL;
}

static struct error *default_value(struct analysis *a, const struct table *t, int column,
                                   struct expr **ret)
{
    const struct column *c = &t->columns[column];
    struct expr *e = sql__const_null(a, OID_UNKNOWN, -1);
    if (!column_is_given(c)) { /* see sql__give() */
        *ret = e;
        return NULL;
    }
    if (!c->sequence && !c->default_sql && c->domain && sql__domain_default(a, c))
        c = sql__domain_default(a, c);
    if (c->sequence) {
        TRY(sql__next_value(a, c->sequence, &e));
    } else if (c->default_sql) {
        struct scope s = {.clause = CLAUSE_DEFAULT};
        TRY(sql__stored_expr(a, &s, c->default_sql, &e));
    }
    return fit(a, t, column, e, e->position - 1, ret);
}

/* Who may give a column that has values of its own another one? */
static struct error *check_given(const struct table *t, int column, bool update)
{
    const struct column *c = &t->columns[column];
    if (c->identity != ALWAYS && !c->generated)
        return NULL;
    struct error *e =
        update
            ? error_new("428C9", "column \"%s\" can only be updated to DEFAULT", c->name)
            : error_new("428C9", "cannot insert a non-DEFAULT value into column \"%s\"", c->name);
    if (c->generated)
        return error_detail(e, "Column \"%s\" is a generated column.", c->name);
    error_detail(e, "Column \"%s\" is an identity column defined as GENERATED ALWAYS.", c->name);
    if (!update)
        error_hint(e, "Use OVERRIDING SYSTEM VALUE to override.");
    return e;
}

/* ---- INSERT
 * ------------------------------------------------------------------------------------------------
 */

/* The columns that are given, in the order given. */
static struct error *insert_columns(struct analysis *a, const InsertStmt *n, const struct table *t,
                                    int *ret_n, int **ret)
{
    const struct write_view *v = a->q->write->view;
    int named = list_length(n->cols), columns = MAX(t->n_columns, v ? v->n_columns : 0);
    *ret_n = named;
    *ret = ARENA_ARRAY(a->arena, int, MAX(named, columns) + 1);
    for (int i = 0; v && i < v->n_columns && !n->cols; i++)
        (*ret)[(*ret_n)++] = sql__base_column(v, i) < 0 ? -1 - i : sql__base_column(v, i);
    for (int i = 0; !v && i < t->n_columns && !n->cols; i++)
        if (!t->columns[i].dropped)
            (*ret)[(*ret_n)++] = i;
    for (int i = 0; i < named; i++) {
        const ResTarget *target = list_nth(n->cols, i);
        bool found;
        (*ret)[i] = named_column(a, t, target->name, &found);
        if (!found)
            return no_target_column(a, t, target);
        for (int k = 0; k < i; k++) {
            const ResTarget *other = list_nth(n->cols, k);
            if ((*ret)[k] == (*ret)[i] && !(other->indirection && target->indirection))
                return sql__at(a,
                               error_new(E_DUPLICATE_COLUMN,
                                         "column \"%s\" specified more than once", target->name),
                               target->location);
        }
    }
    return NULL;
}

struct error *sql__no_part_default(struct analysis *a, const ResTarget *target)
{
    return sql__unsupported(a, target->location, "Give the value.",
                            IsA(linitial(target->indirection), A_Indices)
                                ? "cannot set an array element to DEFAULT"
                                : "cannot set a subfield to DEFAULT");
}

/* The i'th value, on its way to column c, or to a part of it: (a[1], a[2]) make one array. */
struct error *sql__put(struct analysis *a, struct scope *s, const List *columns,
                       const struct table *t, int i, int c, struct expr *e, int location,
                       struct expr **ret)
{
    const ResTarget *target = columns ? list_nth(columns, i) : NULL;
    if (target && target->indirection) {
        struct expr *before = *ret ? *ret : sql__const_null(a, t->columns[c].type, -1);
        TRY(sql__set_item(a, s, &t->columns[c], before, target->indirection, e, target->location,
                          &e));
    }
    return fit(a, t, c, e, location, ret);
}

static struct error *check_count(struct analysis *a, const InsertStmt *n, int given, int *n_columns,
                                 int location)
{
    const char *message = NULL;
    if (given > *n_columns)
        message = "INSERT has more expressions than target columns";
    else if (given < *n_columns && n->cols) {
        message = "INSERT has more target columns than expressions";
        location = ((const ResTarget *)list_nth(n->cols, given))->location;
    }
    if (message)
        return sql__at(a, error_new(E_SYNTAX, "%s", message), location);
    *n_columns = given;
    return NULL;
}

/* The rows as they were made have all columns of the table; from now on those that are given. */
void sql__give(struct analysis *a, struct write *w, struct select *rows)
{
    const struct table *t = w->target->table;
    w->given = ARENA_ARRAY(a->arena, int, t->n_columns + 1);
    for (int c = 0; c < t->n_columns; c++)
        if (column_is_given(&t->columns[c]))
            w->given[w->n_given++] = c;
    for (int i = 0; i < w->n_given; i++) {
        rows->targets[i] = rows->targets[w->given[i]];
        for (int r = 0; r < rows->n_rows && rows->kind == SELECT_VALUES; r++)
            rows->rows[r][i] = rows->rows[r][w->given[i]];
    }
    rows->n_targets = w->n_given;
}

/* A VALUES select over all columns of the table. */
static void describe_rows(struct analysis *a, struct select *sel, const struct table *t)
{
    sel->n_targets = t->n_columns;
    sel->targets = ARENA_ARRAY(a->arena, struct target, MAX(t->n_columns, 1));
    for (int c = 0; c < t->n_columns; c++)
        sel->targets[c] = (struct target){.expr = sel->rows[0][c], .name = t->columns[c].name};
    a->q->write->select = sel;
}

static struct error *insert_values(struct analysis *a, struct scope *outer, const InsertStmt *n,
                                   const SelectStmt *v, const struct table *t, int n_columns,
                                   const int *columns)
{
    struct select *sel = sql__new_select(a, SELECT_VALUES, NULL);
    struct scope s = {.parent = outer, .select = sel, .clause = CLAUSE_VALUES};
    struct expr **defaults = ARENA_ARRAY(a->arena, struct expr *, MAX(t->n_columns, 1));
    TRY(sql__with(a, &s, n->withClause));
    TRY(sql__with(a, &s, v->withClause));
    sel->n_rows = list_length(v->valuesLists);
    sel->rows = ARENA_ARRAY(a->arena, struct expr **, sel->n_rows);
    int width = list_length(linitial(v->valuesLists));
    const List *first = linitial(v->valuesLists);
    int last = MIN(n_columns, width - 1);
    TRY(check_count(a, n, width, &n_columns, sql__location(list_nth(first, last))));
    for (int r = 0; r < sel->n_rows; r++) {
        const List *row = list_nth(v->valuesLists, r);
        struct expr **out = ARENA_ARRAY(a->arena, struct expr *, MAX(t->n_columns, 1));
        sel->rows[r] = out;
        if (list_length(row) != width)
            return sql__at(a, error_new(E_SYNTAX, "VALUES lists must all be the same length"),
                           sql__location(linitial(row)));
        for (int i = 0; i < width; i++) {
            const Node *value = list_nth(row, i);
            int c = columns[i];
            const ResTarget *target = n->cols ? list_nth(n->cols, i) : NULL;
            if (c < 0)
                return sql__not_a_view_column(a, a->q->write->view, -1 - c);
            if (IsA(value, SetToDefault) && target && target->indirection)
                return sql__no_part_default(a, target);
            if (IsA(value, SetToDefault))
                continue;
            if (n->override == OVERRIDING_NOT_SET || t->columns[c].generated)
                TRY(check_given(t, c, false));
            struct expr *e;
            TRY(sql__expr(a, &s, value, &e));
            if (n->override == OVERRIDING_USER_VALUE && t->columns[c].identity)
                continue; /* the value is checked, and not used */
            TRY(sql__put(a, &s, n->cols, t, i, c, e, sql__location(value), &out[c]));
        }
        for (int c = 0; c < t->n_columns; c++) {
            if (!out[c] && !defaults[c])
                TRY(default_value(a, t, c, &defaults[c]));
            if (!out[c])
                out[c] = defaults[c];
        }
    }
    describe_rows(a, sel, t);
    return NULL;
}

/* One row of defaults only. */
/* One row: parameters for the columns that are given, and else defaults. */
static struct error *insert_row(struct analysis *a, const struct table *t, const int *columns,
                                int n)
{
    struct select *sel = sql__new_select(a, SELECT_VALUES, NULL);
    sel->n_rows = 1;
    sel->rows = ARENA_NEW(a->arena, struct expr **);
    sel->rows[0] = ARENA_ARRAY(a->arena, struct expr *, MAX(t->n_columns, 1));
    for (int i = 0; i < n; i++) {
        struct expr *e;
        TRY(sql__param(a, i + 1, -1, &e));
        TRY(fit(a, t, columns[i], e, -1, &sel->rows[0][columns[i]]));
    }
    for (int c = 0; c < t->n_columns; c++)
        if (!sel->rows[0][c])
            TRY(default_value(a, t, c, &sel->rows[0][c]));
    describe_rows(a, sel, t);
    return NULL;
}

/* Unknown literals of the source take the type of the column that they go to. */
static struct error *type_source(struct analysis *a, const InsertStmt *n, struct select *source,
                                 const struct table *t, int n_columns, const int *columns)
{
    for (int i = 0; i < n_columns; i++) {
        const ResTarget *target = n->cols ? list_nth(n->cols, i) : NULL;
        if (source->targets[i].expr->type != OID_UNKNOWN || columns[i] < 0)
            continue;
        uint32_t type = t->columns[columns[i]].type;
        if (target && target->indirection)
            type = sql__item_type(a, type, target->indirection);
        TRY(sql__coerce_select_column(a, source, i, type));
    }
    return NULL;
}

/* Where a target's text begins, as far as it was written: not of * */
static int location_of_target(const SelectStmt *n, const struct select *s, int i)
{
    while (n->larg)
        n = n->larg;
    const ResTarget *t =
        list_length(n->targetList) == s->n_targets ? list_nth(n->targetList, i) : NULL;
    return t ? sql__location(t->val) : s->targets[i].expr->position - 1;
}

static struct error *insert_select(struct analysis *a, struct scope *outer, const InsertStmt *n,
                                   const SelectStmt *q, const struct table *t, int n_columns,
                                   const int *columns)
{
    struct select *sel = sql__new_select(a, SELECT_PLAIN, NULL), *source;
    struct scope s = {.parent = outer, .select = sel};
    TRY(sql__with(a, &s, n->withClause));
    TRY(sql__select(a, &s, q, &source));
    TRY(check_count(a, n, source->n_targets, &n_columns,
                    source->n_targets > n_columns ? source->targets[n_columns].expr->position - 1
                                                  : -1));
    TRY(type_source(a, n, source, t, n_columns, columns));
    struct rte *r = sql__new_rte(a, RTE_SUBQUERY, "source", -1);
    r->select = source;
    r->owner = sel;
    r->n_columns = source->n_targets;
    r->columns = ARENA_ARRAY(a->arena, struct rte_column, MAX(r->n_columns, 1));
    sel->from = ARENA_NEW(a->arena, struct from *);
    sel->from[0] = ARENA_NEW(a->arena, struct from);
    sel->from[0]->rte = r;
    sel->n_from = 1;
    sel->n_targets = t->n_columns;
    sel->targets = ARENA_ARRAY(a->arena, struct target, MAX(t->n_columns, 1));
    for (int i = 0; i < n_columns; i++) {
        const struct target *given = &source->targets[i];
        r->columns[i] = (struct rte_column){.name = given->name,
                                            .type = given->expr->type,
                                            .typmod = given->expr->typmod,
                                            .domain = given->expr->domain};
        int c = columns[i];
        if (c < 0)
            return sql__not_a_view_column(a, a->q->write->view, -1 - c);
        if (n->override == OVERRIDING_USER_VALUE && t->columns[c].identity)
            continue;
        if (n->override == OVERRIDING_NOT_SET || t->columns[c].generated)
            TRY(check_given(t, c, false));
        struct expr *e = sql__column(a, r, i, given->expr->position - 1);
        TRY(sql__put(a, &s, n->cols, t, i, c, e, location_of_target(q, source, i),
                     &sel->targets[c].expr));
    }
    for (int c = 0; c < t->n_columns; c++) {
        if (!sel->targets[c].expr)
            TRY(default_value(a, t, c, &sel->targets[c].expr));
        sel->targets[c].name = t->columns[c].name;
    }
    a->q->write->select = sel;
    return NULL;
}

/* ---- SET
 * ---------------------------------------------------------------------------------------------------
 */

static struct error *one_assignment(struct analysis *a, struct scope *s, const struct table *t,
                                    const ResTarget *n, const Node *value, struct assignment *ret)
{
    TRY(find_target_column(a, t, n, &ret->column));
    if (IsA(value, SetToDefault) && n->indirection)
        return sql__no_part_default(a, n);
    if (IsA(value, SetToDefault)) /* nothing, where it is generated: see assignments() */
        return default_value(a, t, ret->column, &ret->value);
    TRY(check_given(t, ret->column, true));
    struct expr *e;
    TRY(sql__expr(a, s, value, &e));
    if (n->indirection) { /* items that were set before count */
        struct expr *now =
            ret->value ? ret->value : sql__column(a, a->q->write->target, ret->column, n->location);
        TRY(sql__set_item(a, s, &t->columns[ret->column], now, n->indirection, e, n->location, &e));
    }
    return fit(a, t, ret->column, e, sql__location(value), &ret->value);
}

/* SET a[1] = x, a[2] = y: the assignment of a[1], which goes on; else NULL. */
static struct assignment *earlier_items(const struct analysis *a, const struct table *t,
                                        const List *list, int i, struct assignment *set, int n_set)
{
    const ResTarget *target = list_nth(list, i);
    bool items = false, found;
    int column = named_column(a, t, target->name, &found);
    for (int k = 0; k < i && target->indirection; k++) {
        const ResTarget *other = list_nth(list, k);
        items |= other->indirection && strcmp(other->name, target->name) == 0;
    }
    for (int k = 0; k < n_set && items; k++) {
        if (set[k].column == column)
            return &set[k];
    }
    return NULL;
}

static List *empty_list(struct analysis *a, int cap)
{
    List *l = ARENA_NEW(a->arena, List);
    *l = (List){.type = T_List, .max_length = cap};
    l->elements = ARENA_ARRAY(a->arena, ListCell, cap + 1);
    return l;
}

static void add_node(List *l, void *node)
{
    l->elements[l->length++].ptr_value = node;
}

/* v.* in ROW(v.*, 1): a node for each column. */
static struct error *expand_star(struct analysis *a, struct scope *s, const ColumnRef *c, List *to)
{
    Node *relation = list_nth(c->fields, list_length(c->fields) - 2);
    struct name_item *item = NULL;
    for (struct scope *at = s; at && !item; at = at->parent)
        item = sql__find_item(at, strVal(relation));
    if (!item)
        return sql__no_relation(a, s, NULL, strVal(relation), c->location);
    for (int i = 0; i < item->n_columns && to->length < to->max_length; i++) {
        if (sql__item_column_gone(item, i))
            continue;
        String *name = ARENA_NEW(a->arena, String);
        *name = (String){.type = T_String,
                         .sval = arena_strdup(a->arena, sql__item_column_name(item, i))};
        ColumnRef *column = ARENA_NEW(a->arena, ColumnRef);
        *column = *c;
        column->fields = empty_list(a, 2);
        add_node(column->fields, relation);
        add_node(column->fields, name);
        add_node(to, column);
    }
    return NULL;
}

static struct error *row_items(struct analysis *a, struct scope *s, const List *row,
                               const List **ret)
{
    List *all = empty_list(a, 1664);
    *ret = all;
    for (int i = 0; i < list_length(row); i++) {
        const Node *n = list_nth(row, i);
        const ColumnRef *c = (const ColumnRef *)n;
        if (IsA(n, ColumnRef) && list_length(c->fields) == 2 && IsA(llast(c->fields), A_Star))
            TRY(expand_star(a, s, c, all));
        else if (all->length < all->max_length)
            add_node(all, list_nth(row, i));
    }
    return NULL;
}

/* SET (a, b) = (1, 2) */
static struct error *row_assignment(struct analysis *a, struct scope *s, const MultiAssignRef *m,
                                    const Node **ret)
{
    if (!IsA(m->source, RowExpr))
        return sql__at(a,
                       error_new(E_UNSUPPORTED, "source for a multiple-column UPDATE item must be "
                                                "a sub-SELECT or ROW() expression"),
                       sql__location(m->source));
    const List *row;
    TRY(row_items(a, s, ((const RowExpr *)m->source)->args, &row));
    if (list_length(row) != m->ncolumns)
        return sql__at(a, error_new(E_SYNTAX, "number of columns does not match number of values"),
                       sql__location(m->source));
    *ret = list_nth(row, m->colno - 1);
    return NULL;
}

/* The subquery joins FROM of s, as a row that is computed for each row of the target. */
static struct error *source_rte(struct analysis *a, struct scope *s, const SubLink *n, int columns,
                                struct rte **ret)
{
    struct select *sel, *own = s->select;
    TRY(sql__select(a, s, (const SelectStmt *)n->subselect, &sel));
    if (sel->n_targets != columns)
        return sql__at(a, error_new(E_SYNTAX, "number of columns does not match number of values"),
                       n->location);
    struct rte *r = sql__new_rte(a, RTE_SUBQUERY, "source", n->location);
    r->select = sel;
    r->owner = own;
    r->lateral = r->single = true;
    r->n_columns = columns;
    r->columns = ARENA_ARRAY(a->arena, struct rte_column, columns);
    for (int i = 0; i < columns; i++) {
        if (sel->targets[i].expr->type == OID_UNKNOWN)
            TRY(sql__coerce_select_column(a, sel, i, OID_TEXT));
        const struct expr *e = sel->targets[i].expr;
        r->columns[i] = (struct rte_column){.name = sel->targets[i].name,
                                            .type = e->type,
                                            .typmod = e->typmod,
                                            .domain = e->domain};
    }
    struct from **from = ARENA_ARRAY(a->arena, struct from *, own->n_from + 1);
    if (own->n_from)
        memcpy(from, own->from, sizeof(*from) * (size_t)own->n_from);
    from[own->n_from] = ARENA_NEW(a->arena, struct from);
    from[own->n_from++]->rte = r;
    own->from = from;
    *ret = r;
    return NULL;
}

/* ON CONFLICT DO UPDATE has no FROM: each column has a subquery of its own over it. */
static struct error *own_subquery(struct analysis *a, struct scope *s, const MultiAssignRef *m,
                                  struct expr **ret)
{
    const SubLink *n = (const SubLink *)m->source;
    struct select *over = sql__new_select(a, SELECT_PLAIN, NULL);
    struct scope own = {.parent = s, .select = over};
    struct rte *r;
    bool volatile_ = a->q->volatile_;
    a->q->volatile_ = false;
    TRY(source_rte(a, &own, n, m->ncolumns, &r));
    if (a->q->volatile_)
        return sql__unsupported(a, n->location, "Assign the columns one by one.",
                                "assignment of a subquery with volatile functions to several "
                                "columns is not supported in ON CONFLICT");
    a->q->volatile_ = volatile_;
    r->lateral = r->single = false;
    over->correlated = r->select->correlated;
    over->n_targets = 1;
    over->targets = ARENA_NEW(a->arena, struct target);
    over->targets[0] =
        (struct target){.expr = sql__column(a, r, m->colno - 1, n->location), .name = "value"};
    struct expr *e = sql__new_expr(a, EXPR_SUBQUERY, over->targets[0].expr->type, n->location, 0);
    e->typmod = over->targets[0].expr->typmod;
    e->sub.kind = SUBQUERY_SCALAR;
    e->sub.select = over;
    *ret = e;
    return NULL;
}

/* SET (a, b) = (SELECT x, y ..) */
static struct error *subquery_assignment(struct analysis *a, struct scope *s, const struct table *t,
                                         const ResTarget *target, const MultiAssignRef *m,
                                         struct rte **source, struct assignment *ret)
{
    struct expr *value = NULL;
    if (!s->select)
        TRY(own_subquery(a, s, m, &value));
    else if (m->colno == 1)
        TRY(source_rte(a, s, (const SubLink *)m->source, m->ncolumns, source));
    if (target->indirection)
        return sql__unsupported(a, target->location, "Assign the whole array.",
                                "a part of a column in a list of columns is not supported");
    TRY(find_target_column(a, t, target, &ret->column));
    TRY(check_given(t, ret->column, true));
    if (value)
        return fit(a, t, ret->column, value, value->position - 1, &ret->value);
    int position = (*source)->select->targets[m->colno - 1].expr->position;
    return fit(a, t, ret->column, sql__column(a, *source, m->colno - 1, position - 1), position - 1,
               &ret->value);
}

static int first_given(const struct table *t)
{
    int c = 0;
    while (c + 1 < t->n_columns && !column_is_given(&t->columns[c]))
        c++;
    return c;
}

static struct error *assignments(struct analysis *a, struct scope *s, const struct table *t,
                                 const List *list, int *ret_n, struct assignment **ret)
{
    int n = list_length(list), n_set = 0;
    struct assignment *set = ARENA_ARRAY(a->arena, struct assignment, MAX(n, 1));
    struct rte *source = NULL; /* of SET (a, b) = (SELECT ..) */
    s->clause = CLAUSE_UPDATE;
    for (int i = 0; i < n; i++) {
        const ResTarget *target = list_nth(list, i);
        const Node *value = target->val;
        struct assignment *known = earlier_items(a, t, list, i, set, n_set);
        struct assignment *to = known ? known : &set[n_set];
        if (IsA(value, MultiAssignRef)) {
            const MultiAssignRef *m = (const MultiAssignRef *)value;
            if (IsA(m->source, SubLink)) {
                TRY(subquery_assignment(a, s, t, target, m, &source, to));
                value = NULL;
            } else {
                TRY(row_assignment(a, s, m, &value));
            }
        }
        if (value)
            TRY(one_assignment(a, s, t, target, value, to));
        for (int k = 0; k < n_set && !known; k++) {
            if (set[k].column == to->column)
                return error_new(E_SYNTAX, "multiple assignments to same column \"%s\"",
                                 target->name);
        }
        n_set += !known;
    }
    int kept = 0;
    for (int i = 0; i < n_set; i++)
        if (!t->columns[set[i].column].generated)
            set[kept++] = set[i];
    if (n_set && !kept) { /* something has to be set, and it is as if */
        set[kept].column = first_given(t);
        set[kept++].value = sql__column(a, a->q->write->target, set[0].column, -1);
    }
    n_set = kept;
    *ret_n = n_set;
    *ret = set;
    return NULL;
}

static struct error *returning(struct analysis *a, struct scope *s, const List *list)
{
    struct write *w = a->q->write;
    if (!list)
        return NULL;
    s->clause = CLAUSE_RETURNING;
    TRY(sql__targets(a, s, list, &w->n_returning, &w->returning));
    for (int i = 0; i < w->n_returning; i++) {
        struct expr **e = &w->returning[i].expr;
        sql__default_unknown(a, e);
    }
    sql__list_columns(a, w->returning, w->n_returning);
    return NULL;
}

/* ---- ON CONFLICT
 * ------------------------------------------------------------------------------------------- */

static bool same_columns(const int *a, int n_a, const int *b, int n_b)
{
    if (n_a != n_b)
        return false;
    for (int i = 0; i < n_a; i++) {
        bool found = false;
        for (int k = 0; k < n_b; k++)
            found |= a[i] == b[k];
        if (!found)
            return false;
    }
    return true;
}

/* expr_equal() tells columns of two range-table entries apart: those of the first become the
 * second's. */
static bool same_table(void *ctx, const struct expr *e)
{
    if (e->kind == EXPR_COLUMN)
        ((struct expr *)(uintptr_t)e)->col.rte = ctx;
    return true;
}

static bool first_rte(void *ctx, const struct expr *e)
{
    struct rte **r = ctx;
    if (e->kind == EXPR_COLUMN && !*r)
        *r = e->col.rte;
    return true;
}

bool sql__same_expr(struct expr *own, struct expr *given)
{
    struct rte *r = NULL;
    expr_walk(given, false, first_rte, &r);
    if (r)
        expr_walk(own, false, same_table, r);
    return expr_equal(own, given);
}

/* The partial index is meant when its predicate is what was written. */
static struct error *fits_predicate(struct analysis *a, const struct table *t,
                                    const struct index *x, struct expr *given,
                                    struct on_conflict *c)
{
    struct expr *own;
    TRY(sql__index_predicate(a, t, NULL, x->where_sql, &own));
    if (!sql__same_expr(own, given))
        return NULL;
    c->index = x;
    c->index_where = own;
    return NULL;
}

/* What ON CONFLICT (..) names. */
struct inferred {
    int n_columns, n_exprs;
    int *columns;
    struct expr **exprs;
};

static void add_column(struct inferred *to, int column)
{
    for (int i = 0; i < to->n_columns; i++)
        if (to->columns[i] == column)
            return;
    to->columns[to->n_columns++] = column;
}

static void add_expr(struct inferred *to, struct expr *x)
{
    for (int i = 0; i < to->n_exprs; i++)
        if (sql__same_expr(to->exprs[i], x))
            return;
    to->exprs[to->n_exprs++] = x;
}

static struct error *infer(struct analysis *a, const InferClause *n, const struct table *t,
                           struct inferred *ret)
{
    int count = list_length(n->indexElems);
    ret->columns = ARENA_ARRAY(a->arena, int, count);
    ret->exprs = ARENA_ARRAY(a->arena, struct expr *, count);
    for (int i = 0; i < count; i++) {
        const IndexElem *e = list_nth(n->indexElems, i);
        struct expr *x = NULL;
        bool found = true;
        int column = e->name ? named_column(a, t, e->name, &found) : 0;
        if (a->q->write->view && (!e->name || (found && column < 0)))
            return sql__unsupported(a, n->location, "Name columns of the table.",
                                    "ON CONFLICT with an expression is not supported for a view");
        if (!found)
            return sql__at(a,
                           error_new(E_UNDEFINED_COLUMN, "column \"%s\" does not exist", e->name),
                           n->location);
        if (!e->name)
            TRY(sql__index_expression(a, t, e->expr, NULL, &x));
        if (x && x->kind != EXPR_COLUMN)
            add_expr(ret, x);
        else
            add_column(ret, x ? x->col.column : column);
    }
    return NULL;
}

/* Has the index these keys, in any order? *ret_exprs: its expressions. */
static struct error *fits_keys(struct analysis *a, const struct table *t, const struct index *x,
                               const struct inferred *given, bool *ret, struct expr ***ret_exprs)
{
    int *plain = ARENA_ARRAY(a->arena, int, x->n_columns), n = 0;
    struct expr **own = ARENA_ARRAY(a->arena, struct expr *, x->n_expressions + 1);
    for (int i = 0; i < x->n_columns; i++)
        if (x->columns[i] >= 0)
            plain[n++] = x->columns[i];
    *ret = n == given->n_columns && x->n_expressions == given->n_exprs &&
           (n == 0 || same_columns(given->columns, n, plain, n));
    for (int i = 0; i < x->n_expressions && *ret; i++) {
        bool found = false;
        TRY(sql__index_expression(a, t, NULL, x->expressions[i].sql, &own[i]));
        for (int k = 0; k < given->n_exprs && !found; k++)
            found = sql__same_expr(own[i], given->exprs[k]);
        *ret = found;
    }
    *ret_exprs = own;
    return NULL;
}

static struct error *arbiter_by_keys(struct analysis *a, const InferClause *n,
                                     const struct table *t, struct on_conflict *c)
{
    struct inferred keys = {0};
    struct expr *given = NULL;
    TRY(infer(a, n, t, &keys));
    for (int i = 0; i < t->n_keys && !keys.n_exprs; i++) {
        if (!(c->key && c->key->deferrable) &&
            same_columns(keys.columns, keys.n_columns, t->keys[i].columns, t->keys[i].n_columns))
            c->key = &t->keys[i];
    }
    if (n->whereClause)
        TRY(sql__index_predicate(a, t, n->whereClause, NULL, &given));
    for (int i = 0; i < t->n_indexes && !c->key; i++) {
        const struct index *x = &t->indexes[i];
        struct expr **exprs;
        bool fits = false;
        if (x->unique && !x->watched)
            TRY(fits_keys(a, t, x, &keys, &fits, &exprs));
        if (!fits)
            continue;
        if (!x->where_sql)
            c->index = x;
        else if (given && !c->index)
            TRY(fits_predicate(a, t, x, given, c));
        if (c->index == x)
            c->index_exprs = exprs;
    }
    if (c->index && !c->index->where_sql)
        c->index_where = NULL;
    if (!c->key && !c->index)
        return error_new(
            "42P10",
            "there is no unique or exclusion constraint matching the ON CONFLICT specification");
    return NULL;
}

/* SQLite does not know of the key. */
static struct error *check_arbiter(const struct analysis *a, const struct table *t,
                                   const struct key *k, int location)
{
    if (k && k->deferrable) {
        struct error *e = error_new("55000", "ON CONFLICT does not support deferrable unique "
                                             "constraints/exclusion constraints as arbiters");
        e->schema = mem_strdup(t->schema);
        e->table = mem_strdup(t->name);
        e->constraint = mem_strdup(k->name);
        return e;
    }
    if (k && k->nulls_equal)
        return sql__unsupported(a, location, "Declare the columns NOT NULL.",
                                "ON CONFLICT is not supported for keys with NULLS NOT DISTINCT");
    return NULL;
}

static struct error *arbiter(struct analysis *a, const InferClause *n, const struct table *t,
                             struct on_conflict *c)
{
    if (!n->conname)
        return arbiter_by_keys(a, n, t, c);
    for (int i = 0; i < t->n_keys; i++) {
        if (strcmp(t->keys[i].name, n->conname) == 0) {
            c->key = &t->keys[i];
            return NULL;
        }
    }
    return error_new(E_UNDEFINED_OBJECT, "constraint \"%s\" for table \"%s\" does not exist",
                     n->conname, t->name);
}

static struct rte *excluded_rte(struct analysis *a, const struct table *t)
{
    struct rte *r = sql__new_rte(a, RTE_EXCLUDED, "excluded", -1);
    r->table = t;
    r->n_columns = t->n_columns;
    r->columns = ARENA_ARRAY(a->arena, struct rte_column, MAX(t->n_columns, 1));
    for (int i = 0; i < t->n_columns; i++)
        r->columns[i] = (struct rte_column){.name = t->columns[i].name,
                                            .type = t->columns[i].type,
                                            .typmod = t->columns[i].typmod,
                                            .domain = t->columns[i].domain,
                                            .dropped = t->columns[i].dropped};
    return r;
}

static struct error *on_conflict(struct analysis *a, struct scope *s, const OnConflictClause *n,
                                 const struct rte *target)
{
    const struct table *t = target->table;
    struct on_conflict *c = ARENA_NEW(a->arena, struct on_conflict);
    a->q->write->conflict = c;
    if (sql__has_check_option(a->q->write->view))
        return sql__unsupported(a, n->location, "Write to the table itself.",
                                "ON CONFLICT is not supported for a view WITH CHECK OPTION");
    if (a->q->write->view && n->infer && n->infer->whereClause)
        return sql__unsupported(a, n->location, "Write to the table itself.",
                                "ON CONFLICT .. WHERE is not supported for a view");
    for (int i = 0; i < t->n_keys && !n->infer; i++)
        TRY(check_arbiter(a, t, &t->keys[i], n->location));
    if (n->infer) {
        TRY(arbiter(a, n->infer, t, c));
        TRY(check_arbiter(a, t, c->key, n->location));
    }
    if (n->action == ONCONFLICT_NOTHING)
        return NULL;
    if (!n->infer)
        return error_hint(
            sql__at(
                a,
                error_new(
                    E_SYNTAX,
                    "ON CONFLICT DO UPDATE requires inference specification or constraint name"),
                n->location),
            "For example, ON CONFLICT (column_name).");
    c->update = true;
    c->excluded = excluded_rte(a, t);
    struct scope own = *s;
    own.items = (struct list){0};
    for (int i = 0; i < s->items.n; i++)
        sql__push(a->arena, &own.items, s->items.items[i]);
    struct name_item *item = a->q->write->view
                                 ? sql__excluded_item(a, a->q->write->view, c->excluded)
                                 : sql__add_item(a, &own, c->excluded);
    if (a->q->write->view)
        sql__push(a->arena, &own.items, item);
    item->columns_visible = false;
    TRY(assignments(a, &own, t, n->targetList, &c->n_set, &c->set));
    if (n->whereClause) {
        own.clause = CLAUSE_CONFLICT_WHERE;
        TRY(sql__expr(a, &own, n->whereClause, &c->where));
        TRY(sql__boolean(a, c->where, "WHERE", &c->where));
    }
    sql__refuse_hidden(a, a->q->write->view, &c->where);
    return NULL;
}

/* ---- WITH CHECK OPTION
 * ------------------------------------------------------------------------------------------- */

/* One row in the making: its values by w->given. */
static struct error *check_new_row(struct analysis *a, struct expr **row)
{
    const struct write *w = a->q->write;
    struct expr **values =
        ARENA_ARRAY(a->arena, struct expr *, MAX(w->target->table->n_columns, 1));
    for (int i = 0; i < w->n_given; i++)
        values[w->given[i]] = row[i];
    return sql__check_option(a, w->view, values, w->given[w->n_given - 1], true,
                             &row[w->n_given - 1]);
}

static struct error *check_new_rows(struct analysis *a)
{
    struct select *rows = a->q->write->select;
    if (!sql__has_check_option(a->q->write->view))
        return NULL;
    for (int r = 0; rows->kind == SELECT_VALUES && r < rows->n_rows; r++)
        TRY(check_new_row(a, rows->rows[r]));
    struct expr **row = ARENA_ARRAY(a->arena, struct expr *, MAX(rows->n_targets, 1));
    for (int i = 0; i < rows->n_targets; i++)
        row[i] = rows->kind == SELECT_VALUES ? rows->rows[0][i] : rows->targets[i].expr;
    if (rows->kind != SELECT_VALUES)
        TRY(check_new_row(a, row));
    for (int i = 0; i < rows->n_targets; i++)
        rows->targets[i].expr = row[i];
    return NULL;
}

static struct error *check_changed_row(struct analysis *a)
{
    struct write *w = a->q->write;
    struct expr **values =
        ARENA_ARRAY(a->arena, struct expr *, MAX(w->target->table->n_columns, 1));
    if (!sql__has_check_option(w->view))
        return NULL;
    for (int i = 0; i < w->n_set; i++)
        values[w->set[i].column] = w->set[i].value;
    return sql__check_option(a, w->view, values, w->set[0].column, false, &w->set[0].value);
}

/* ---- the statements
 * ------------------------------------------------------------------------------------------- */

static bool calls_set(const Node *n);

static bool any_calls_set(const List *list)
{
    for (int i = 0; i < list_length(list); i++)
        if (calls_set(list_nth(list, i)))
            return true;
    return false;
}

static bool calls_set(const Node *n)
{
    if (!n)
        return false;
    if (IsA(n, FuncCall))
        return func_exists(strVal(llast(((const FuncCall *)n)->funcname)), FUNC_SET) ||
               any_calls_set(((const FuncCall *)n)->args);
    if (IsA(n, A_Expr))
        return calls_set(((const A_Expr *)n)->lexpr) || calls_set(((const A_Expr *)n)->rexpr);
    return IsA(n, TypeCast) && calls_set(((const TypeCast *)n)->arg);
}

/* VALUES (generate_series(1, 9), DEFAULT, 'x'): one row with functions that return rows is a
 * SELECT. Columns that get their default leave the list. */
static const SelectStmt *values_as_select(struct analysis *a, const SelectStmt *q, int *n_columns,
                                          int *columns)
{
    const List *row = list_length(q->valuesLists) == 1 ? linitial(q->valuesLists) : NIL;
    if (!any_calls_set(row))
        return q;
    int width = list_length(row), n = 0;
    SelectStmt *select = ARENA_NEW(a->arena, SelectStmt);
    *select = *q;
    select->valuesLists = NIL;
    select->targetList = empty_list(a, width);
    for (int i = 0; i < width; i++) {
        Node *value = list_nth(row, i);
        if (IsA(value, SetToDefault) && i < *n_columns)
            continue;
        ResTarget *target = ARENA_NEW(a->arena, ResTarget);
        *target = (ResTarget){.type = T_ResTarget, .val = value, .location = sql__location(value)};
        select->targetList->elements[select->targetList->length++].ptr_value = target;
        if (i < *n_columns)
            columns[n++] = columns[i];
    }
    for (int i = width; i < *n_columns; i++)
        columns[n++] = columns[i];
    *n_columns = MIN(n, *n_columns);
    return select;
}

struct error *sql__insert(struct analysis *a, struct scope *outer, const InsertStmt *n)
{
    struct rte *target = NULL;
    int n_columns, *columns;
    a->q->kind = QUERY_INSERT;
    a->q->tag = "INSERT 0";
    TRY(write_target(a, n->relation, &target));
    const struct table *t = target->table;
    TRY(insert_columns(a, n, t, &n_columns, &columns));
    const SelectStmt *q = (const SelectStmt *)n->selectStmt;
    if (q)
        q = values_as_select(a, q, &n_columns, columns);
    if (!q)
        TRY(insert_row(a, t, NULL, 0));
    else if (q->valuesLists && !q->sortClause && !q->limitCount && !q->limitOffset)
        TRY(insert_values(a, outer, n, q, t, n_columns, columns));
    else
        TRY(insert_select(a, outer, n, q, t, n_columns, columns));
    sql__give(a, a->q->write, a->q->write->select);
    TRY(check_new_rows(a));
    struct scope s = {.parent = outer};
    const struct select *rows = a->q->write->select; /* whose WITH is the statement's */
    for (int i = 0; i < rows->n_ctes; i++)
        sql__push(a->arena, &s.ctes, rows->ctes[i]);
    add_target(a, &s, target);
    if (n->onConflictClause)
        TRY(on_conflict(a, &s, n->onConflictClause, target));
    return returning(a, &s, n->returningList);
}

/* WHERE CURRENT OF c: ctid = the parameter */
static struct error *current_row(struct analysis *a, struct rte *target, const CurrentOfExpr *n,
                                 struct expr **ret)
{
    struct expr *pair[2];
    if (a->q->write->view)
        return error_new(E_UNSUPPORTED, "WHERE CURRENT OF on a view is not implemented");
    TRY(sql__row_number(a, target, -1, &pair[0]));
    TRY(sql__current_row(a, n, &pair[1]));
    return sql__call(a, "=", pair, 2, -1, ret);
}

/* FROM or USING, and WHERE, with the target in scope. */
static struct error *from_and_where(struct analysis *a, struct scope *s, const List *from,
                                    const Node *where, struct rte *target)
{
    struct select *sel = s->select;
    target->owner = NULL;
    add_target(a, s, target);
    TRY(sql__from(a, s, from));
    if (where) {
        s->clause = CLAUSE_WHERE;
        TRY(IsA(where, CurrentOfExpr)
                ? current_row(a, target, (const CurrentOfExpr *)where, &sel->where)
                : sql__expr(a, s, where, &sel->where));
        TRY(sql__boolean(a, sel->where, "WHERE", &sel->where));
        sel->where = sql__simplify_condition(a, sel->where);
    }
    sql__add_view_conditions(a, a->q->write->view, &sel->where);
    return NULL;
}

/* Filters on the target itself: the select's FROM does not hold it. */
struct error *sql__update(struct analysis *a, struct scope *outer, const UpdateStmt *n)
{
    struct rte *target = NULL;
    a->q->kind = QUERY_UPDATE;
    a->q->tag = "UPDATE";
    TRY(write_target(a, n->relation, &target));
    struct write *w = a->q->write;
    struct scope s = {.parent = outer, .select = w->select};
    TRY(sql__with(a, &s, n->withClause));
    TRY(from_and_where(a, &s, n->fromClause, n->whereClause, target));
    TRY(assignments(a, &s, target->table, n->targetList, &w->n_set, &w->set));
    TRY(check_changed_row(a));
    return returning(a, &s, n->returningList);
}

struct error *sql__delete(struct analysis *a, struct scope *outer, const DeleteStmt *n)
{
    struct rte *target = NULL;
    a->q->kind = QUERY_DELETE;
    a->q->tag = "DELETE";
    TRY(write_target(a, n->relation, &target));
    struct write *w = a->q->write;
    struct scope s = {.parent = outer, .select = w->select};
    TRY(sql__with(a, &s, n->withClause));
    TRY(from_and_where(a, &s, n->usingClause, n->whereClause, target));
    return returning(a, &s, n->returningList);
}

/* The statement behind COPY FROM: one row, a parameter for each column that is given. */
struct error *sql__copy_insert(struct analysis *a, const struct table *t, const int *columns, int n)
{
    struct query *q = a->q;
    q->kind = QUERY_INSERT;
    q->tag = "COPY";
    q->writes = true;
    q->counts_rows = true;
    q->write = ARENA_NEW(a->arena, struct write);
    q->write->kind = QUERY_INSERT;
    struct rte *target = sql__base_rte(a, t, t->name, -1);
    target->target = true;
    q->write->target = target;
    TRY(insert_row(a, t, columns, n));
    sql__give(a, q->write, q->write->select);
    return NULL;
}

/* In WITH: the statement around it keeps what it is. */
struct error *sql__write_cte(struct analysis *a, struct scope *s, const Node *n, struct write **ret)
{
    struct query *q = a->q, before = *q;
    *q = (struct query){.volatile_ = q->volatile_};
    TRY(IsA(n, InsertStmt)   ? sql__insert(a, s, (const InsertStmt *)n)
        : IsA(n, UpdateStmt) ? sql__update(a, s, (const UpdateStmt *)n)
                             : sql__delete(a, s, (const DeleteStmt *)n));
    *ret = q->write;
    if (q->current_of)
        return sql__unsupported(a, -1, "Use a statement of its own.",
                                "WHERE CURRENT OF in WITH is not supported");
    before.volatile_ = q->volatile_;
    before.locks |= q->locks;
    *q = before;
    q->writes = true;
    return NULL;
}

/* ---- for MERGE ------------------------------------------------------------------------------ */

struct error *sql__write_target(struct analysis *a, const RangeVar *rv, struct rte **ret)
{
    return write_target(a, rv, ret);
}

struct error *sql__target_column(const struct analysis *a, const struct table *t,
                                 const ResTarget *n, int *ret)
{
    return find_target_column(a, t, n, ret);
}

struct error *sql__default_value(struct analysis *a, const struct table *t, int column,
                                 struct expr **ret)
{
    return default_value(a, t, column, ret);
}

struct error *sql__assignments(struct analysis *a, struct scope *s, const struct table *t,
                               const List *list, int *ret_n, struct assignment **ret)
{
    return assignments(a, s, t, list, ret_n, ret);
}

struct error *sql__check_given(const struct table *t, int column, bool update, bool identity)
{
    return identity || t->columns[column].generated ? check_given(t, column, update) : NULL;
}
