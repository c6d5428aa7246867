/*
 * Rows as values: ROW(..), (a, b), the name of a table, (t).x.
 *
 * A row that is written out is taken apart wherever that gives its meaning: comparisons, IS NULL
 * and IN work on its fields. Where a row itself is asked for (SELECT t, count(t)) one is made: a
 * value of type record, or of a composite type (types/record.c).
 */
#include "sql_int.h"

/* Is it the name of a column? That goes before the name of a relation. */
static bool names_column(struct analysis *a, struct scope *s, const char *name)
{
    bool found = false;
    for (struct scope *at = s; at && !found; at = at->parent) {
        struct expr *column = NULL;
        struct error *e = sql__find_column(a, at, name, -1, &column);
        found = e || column;
        error_free(e);
    }
    return found;
}

/* The item of a scope that a column reference names as a whole: t, s.t.*, t.*; NULL: it does not.
 */
static struct name_item *whole_row(struct analysis *a, struct scope *s, const ColumnRef *c,
                                   struct scope **ret_at)
{
    int n = list_length(c->fields);
    bool star = IsA(llast(c->fields), A_Star);
    if (n - star < 1 || n - star > 2 || (n == 2 && !star) ||
        !IsA(list_nth(c->fields, n - star - 1), String))
        return NULL;
    const char *name = strVal(list_nth(c->fields, n - star - 1));
    struct name_item *item = NULL;
    for (*ret_at = s; *ret_at && !item;) {
        item = sql__find_item(*ret_at, name);
        if (!item)
            *ret_at = (*ret_at)->parent;
    }
    return item && n == 1 && names_column(a, s, name) ? NULL : item;
}

static const ColumnRef *row_name(struct analysis *a, struct scope *s, const Node *n,
                                 struct scope **ret_at, struct name_item **ret)
{
    if (!IsA(n, ColumnRef))
        return NULL;
    *ret = whole_row(a, s, (const ColumnRef *)n, ret_at);
    return *ret ? (const ColumnRef *)n : NULL;
}

/* The name of a function in FROM that gives values, not rows, is the name of its value. */
static bool is_scalar(const struct name_item *item)
{
    const struct rte *r = item->rte;
    return r && r->kind == RTE_CALLS && r->n_args == 1 && r->n_columns == 1 &&
           r->args[0]->type != OID_RECORD;
}

/* A function of several columns that returns rows, in a target list */
static const FuncCall *record_call(const Node *n)
{
    const FuncCall *f = (const FuncCall *)n;
    return IsA(n, FuncCall) && func_gives_record(strVal(llast(f->funcname))) ? f : NULL;
}

/* What a column is in the one select that makes it; NULL: there is none. */
static const struct expr *column_source(const struct expr *e)
{
    const struct rte *r = e->kind == EXPR_COLUMN && e->col.column >= 0 ? e->col.rte : NULL;
    const struct cte *c = r && r->kind == RTE_CTE && !r->cte->recursive ? r->cte : NULL;
    const struct select *sel = c ? c->select : r && r->kind == RTE_SUBQUERY ? r->select : NULL;
    bool known = sel && sel->kind == SELECT_PLAIN && e->col.column < sel->n_targets;
    return known ? sel->targets[e->col.column].expr : NULL;
}

/* Where a record is made, if that is in sight: in a subquery. */
static const struct expr *made_at(const struct expr *e)
{
    for (const struct expr *at = column_source(e); at; at = column_source(at))
        e = at;
    if (e->kind == EXPR_CASE && e->n_args == 3 && e->args[2]->kind == EXPR_CONST &&
        e->args[2]->value.kind == VALUE_NULL) /* missing_row() */
        e = e->args[1];
    return e->kind == EXPR_FUNC && e->call.func == record_func(RECORD_MAKE) ? e : NULL;
}

bool sql__has_fields(struct analysis *a, struct scope *s, const Node *n)
{
    return sql__is_row(a, s, n) || record_call(n) || sql__populated(a, s, n);
}

bool sql__is_row_type(uint32_t type)
{
    const struct type *t = type_by_oid(type);
    return t && type_is_row(t);
}

bool sql__is_row(struct analysis *a, struct scope *s, const Node *n)
{
    struct scope *at;
    struct name_item *item;
    return n && (IsA(n, RowExpr) || (row_name(a, s, n, &at, &item) && !is_scalar(item)));
}

struct expr *sql__scalar_item(struct analysis *a, struct scope *s, const ColumnRef *c)
{
    struct scope *at;
    struct name_item *item;
    if (!row_name(a, s, (const Node *)c, &at, &item) || !is_scalar(item))
        return NULL;
    sql__mark_correlated(s, at);
    return sql__column(a, item->rte, 0, c->location);
}

static void add_field(struct analysis *a, struct list *l, struct expr *e, const char *name)
{
    struct target *t = ARENA_NEW(a->arena, struct target);
    *t = (struct target){.expr = e, .name = name};
    sql__push(a->arena, l, t);
}

static void item_fields(struct analysis *a, struct name_item *item, int location, struct list *l)
{
    sql__note_unfixed(a, "a whole row of a table");
    for (int i = 0; i < item->n_columns; i++)
        if (!sql__item_column_gone(item, i))
            add_field(a, l, sql__item_column(a, item, i, location), sql__item_column_name(item, i));
}

static struct error *call_fields(struct analysis *a, struct scope *s, const FuncCall *n,
                                 struct list *l)
{
    struct expr *call;
    struct rte *r;
    int column;
    TRY(sql__set_call(a, s, n, &call));
    TRY(sql__project_set(a, s, call, &r, &column));
    for (int i = 0; i < sql_set_width(call); i++)
        add_field(a, l, sql__column(a, r, column + i, n->location), r->columns[column + i].name);
    return NULL;
}

static struct expr *int8_const(struct analysis *a, int64_t i)
{
    return sql__const_int(a, OID_INT8, i);
}

/* The fields of a value. *ret_n -1: nobody knows before it runs. */
static void value_shape(struct analysis *a, const struct expr *e, int *ret_n,
                        struct composite_attribute **ret)
{
    const struct type *t = type_by_oid(e->type);
    const struct expr *made = type_is_composite(t) ? NULL : made_at(e);
    *ret_n = -1;
    if (made || type_is_composite(t))
        *ret_n = record_shape(t, made ? &made->args[0]->value : NULL, a->arena, ret);
    for (int i = 0; made && i < *ret_n; i++)
        (*ret)[i].typmod = made->args[i + 1]->typmod;
}

static struct expr *value_field(struct analysis *a, struct expr *e, int i,
                                const struct composite_attribute *of, int location)
{
    uint32_t type = of->type == OID_UNKNOWN ? OID_TEXT : of->type;
    struct expr *field = sql__new_expr(a, EXPR_FUNC, type, location, 4);
    field->args[0] = e;
    field->args[1] = int8_const(a, e->type);
    field->args[2] = sql__const_int(a, OID_INT4, i);
    field->args[3] = int8_const(a, type);
    field->call.func = record_func(RECORD_FIELD);
    field->typmod = of->typmod;
    return field;
}

static struct error *shape_unknown(struct analysis *a, int location)
{
    return sql__unsupported(a, location, "Select the fields where the record is made.",
                            "the fields of a record that is made elsewhere are not known");
}

struct error *sql__value_fields(struct analysis *a, struct expr *e, int location, int *ret_n,
                                struct target **ret)
{
    struct composite_attribute *shape;
    int n;
    if (!sql__is_row_type(e->type))
        return error_new("42809", "type %s is not composite", sql__type_of(a, e->type, e->domain));
    value_shape(a, e, &n, &shape);
    if (n < 0 && e->kind != EXPR_COLUMN)
        return error_new("42809", "record type has not been registered");
    if (n < 0)
        return shape_unknown(a, location);
    *ret_n = n;
    *ret = ARENA_ARRAY(a->arena, struct target, MAX(n, 1));
    for (int i = 0; i < n; i++)
        (*ret)[i] = (struct target){.expr = value_field(a, e, i, &shape[i], location),
                                    .name = (char *)(uintptr_t)shape[i].name};
    return NULL;
}

struct error *sql__value_field(struct analysis *a, struct expr *e, const char *name, int location,
                               struct expr **ret)
{
    struct composite_attribute *shape = NULL;
    int n = -1;
    if (!sql__is_row_type(e->type))
        return sql__at(a,
                       error_new("42809",
                                 "column notation .%s applied to type %s, which is not a composite "
                                 "type",
                                 name, sql__type_of(a, e->type, e->domain)),
                       location);
    value_shape(a, e, &n, &shape);
    if (n < 0 && e->kind == EXPR_COLUMN) /* elsewhere PostgreSQL does not look for them, either */
        return shape_unknown(a, location);
    for (int i = 0; i < n; i++) {
        if (strcmp(shape[i].name, name) != 0)
            continue;
        *ret = value_field(a, e, i, &shape[i], location);
        return NULL;
    }
    return sql__at(a,
                   e->type == OID_RECORD
                       ? error_new(E_UNDEFINED_COLUMN,
                                   "could not identify column \"%s\" in record data type", name)
                       : error_new(E_UNDEFINED_COLUMN, "column \"%s\" not found in data type %s",
                                   name, sql__type(a, e->type)),
                   location);
}

/* -1: there is none */
static int field_named(struct analysis *a, uint32_t type, const char *name,
                       struct composite_attribute *ret)
{
    struct composite_attribute *shape = NULL;
    const struct type *t = type_by_oid(type);
    int n = type_is_composite(t) ? record_shape(t, NULL, a->arena, &shape) : 0;
    for (int i = 0; i < n; i++) {
        *ret = shape[i];
        if (strcmp(shape[i].name, name) == 0)
            return i;
    }
    return -1;
}

uint32_t sql__field_type(struct analysis *a, uint32_t type, const char *name)
{
    struct composite_attribute of;
    return field_named(a, type, name, &of) < 0 ? OID_TEXT : of.type;
}

static struct error *no_such_field(struct analysis *a, const struct column *c, const char *field,
                                   int location)
{
    bool composite = type_is_composite(type_by_oid(c->type));
    return sql__at(
        a,
        composite
            ? error_new(E_UNDEFINED_COLUMN,
                        "cannot assign to field \"%s\" of column \"%s\" because there is no such "
                        "column in data type %s",
                        field, c->name, sql__type(a, c->type))
            : error_new(E_TYPE_MISMATCH,
                        "cannot assign to field \"%s\" of column \"%s\" because its type %s is not "
                        "a composite type",
                        field, c->name, sql__type_of(a, c->type, c->domain)),
        location);
}

static struct error *field_value(struct analysis *a, const char *name,
                                 const struct composite_attribute *of, struct expr *value,
                                 int location, struct expr **ret)
{
    if (!sql__can_coerce(value, of->type, CAST_ASSIGNMENT))
        return sql__at(
            a,
            error_hint(error_new(E_TYPE_MISMATCH,
                                 "subfield \"%s\" is of type %s but expression is of type %s", name,
                                 sql__type(a, of->type), sql__type(a, value->type)),
                       "You will need to rewrite or cast the expression."),
            location);
    return sql__coerce(a, value, of->type, of->typmod, CAST_ASSIGNMENT, ret);
}

struct error *sql__set_field(struct analysis *a, struct scope *s, const struct column *column,
                             struct expr *before, const List *indirection, struct expr *value,
                             int location, struct expr **ret)
{
    struct composite_attribute of;
    const char *name = strVal(linitial(indirection));
    int i = field_named(a, column->type, name, &of);
    if (i < 0)
        return no_such_field(a, column, name, location);
    if (list_length(indirection) > 1)
        TRY(sql__set_item(
            a, s,
            &(struct column){.name = (char *)(uintptr_t)name, .type = of.type, .typmod = of.typmod},
            value_field(a, before, i, &of, location), sql__list_from(a, indirection, 1), value,
            location, &value));
    else
        TRY(field_value(a, name, &of, value, location, &value));
    struct expr *e = sql__new_expr(a, EXPR_FUNC, column->type, location, 4);
    e->args[0] = before;
    e->args[1] = int8_const(a, column->type);
    e->args[2] = sql__const_int(a, OID_INT4, i);
    e->args[3] = value;
    e->call.func = record_func(RECORD_SET);
    *ret = e;
    return NULL;
}

struct error *sql__value_null_test(struct analysis *a, struct expr *e, bool is_null, int location,
                                   struct expr **ret)
{
    *ret = sql__new_expr(a, EXPR_FUNC, OID_BOOL, location, 3);
    (*ret)->args[0] = e;
    (*ret)->args[1] = int8_const(a, e->type);
    (*ret)->args[2] = sql__const_int(a, OID_INT4, is_null);
    (*ret)->call.func = record_func(RECORD_NULLS);
    return NULL;
}

struct error *sql__row_fields(struct analysis *a, struct scope *s, const Node *n, int *ret_n,
                              struct target **ret)
{
    struct list l = {0};
    struct scope *at;
    struct name_item *item;
    if (sql__populated(a, s, n))
        return sql__populated_fields(a, s, sql__populated(a, s, n), ret_n, ret);
    const ColumnRef *c = row_name(a, s, n, &at, &item);
    if (record_call(n)) {
        TRY(call_fields(a, s, record_call(n), &l));
    } else if (c && s->clause == CLAUSE_GENERATED) {
        return sql__at(
            a,
            error_detail(
                error_new("42P17", "cannot use whole-row variable in column generation expression"),
                "This would cause the generated column to depend on its own value."),
            c->location);
    } else if (c) {
        sql__mark_correlated(s, at);
        item_fields(a, item, c->location, &l);
    } else {
        const RowExpr *row = (const RowExpr *)n;
        for (int i = 0; i < list_length(row->args); i++) {
            const Node *arg = list_nth(row->args, i);
            const Node *last = IsA(arg, ColumnRef) ? llast(((const ColumnRef *)arg)->fields) : NULL;
            if (last && IsA(last, A_Star) && row_name(a, s, arg, &at, &item)) {
                sql__mark_correlated(s, at); /* ROW(t.*, 1): the fields of t, and 1 */
                item_fields(a, item, ((const ColumnRef *)arg)->location, &l);
                continue;
            }
            struct expr *e;
            TRY(sql__expr(a, s, arg, &e));
            add_field(a, &l, e, NULL);
        }
        for (int i = 0; i < l.n; i++)
            ((struct target *)l.items[i])->name = arena_printf(a->arena, "f%d", i + 1);
    }
    *ret_n = l.n;
    *ret = ARENA_ARRAY(a->arena, struct target, MAX(l.n, 1));
    for (int i = 0; i < l.n; i++)
        (*ret)[i] = *(struct target *)l.items[i];
    return NULL;
}

void sql__row_type_names(struct analysis *a, struct scope *s, const Node *n, struct target *fields)
{
    struct scope *at;
    struct name_item *item;
    if (!row_name(a, s, n, &at, &item) || !item->rte || item->columns)
        return;
    for (int i = 0, k = 0; i < item->n_columns; i++) {
        if (sql__item_column_gone(item, i))
            continue;
        if (item->rte->columns[i].own)
            fields[k].name = item->rte->columns[i].own;
        k++;
    }
}

/* ---- comparisons -------------------------------------------------------------------------- */

static struct expr *both(struct analysis *a, enum expr_kind kind, struct expr *l, struct expr *r,
                         int location)
{
    struct expr *e = sql__new_expr(a, kind, OID_BOOL, location, 2);
    e->args[0] = l;
    e->args[1] = r;
    return e;
}

/* Written out: a < x OR (a = x AND (b < y OR ..)), for operators that SQLite's own row comparison
 * is not. */
static struct error *spelled_out(struct analysis *a, struct expr **l, struct expr **r, int n,
                                 const char *op, int location, struct expr **ret)
{
    bool equality = strcmp(op, "=") == 0 || strcmp(op, "<>") == 0;
    struct expr *pair[2], *rest = NULL;
    for (int i = n; i-- > 0;) {
        char strict[2] = {op[0], 0};
        struct expr *one, *same;
        memcpy(pair, (struct expr *[]){l[i], r[i]}, sizeof(pair));
        TRY(sql__call(a, equality || !rest ? op : strict, pair, 2, location, &one));
        if (!rest) {
            rest = one;
        } else if (equality) {
            rest = both(a, *op == '=' ? EXPR_AND : EXPR_OR, one, rest, location);
        } else {
            memcpy(pair, (struct expr *[]){l[i], r[i]}, sizeof(pair));
            TRY(sql__call(a, "=", pair, 2, location, &same));
            rest = both(a, EXPR_OR, one, both(a, EXPR_AND, same, rest, location), location);
        }
    }
    *ret = rest;
    return NULL;
}

static const char *row_operator(const char *op)
{
    static const char *const known[] = {"=", "<>", "<", "<=", ">", ">="};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(op, known[i]) == 0)
            return known[i];
    }
    return strcmp(op, "!=") == 0 ? "<>" : NULL;
}

static struct error *compare_fields(struct analysis *a, struct expr **l, struct expr **r, int n,
                                    const char *op, int location, struct expr **ret)
{
    struct expr *e = sql__new_expr(a, EXPR_ROW_COMPARE, OID_BOOL, location, 2 * n);
    bool native = true;
    e->row.n = n;
    e->row.op = op;
    for (int i = 0; i < n; i++) {
        struct expr *p[2] = {l[i], r[i]};
        const struct func *f;
        TRY(sql__operator(a, op, p, 2, location, &f));
        native = native && f->emit;
        e->args[i] = p[0];
        e->args[n + i] = p[1];
    }
    *ret = e;
    if (n == 1)
        return sql__call(a, op, e->args, 2, location, ret);
    return native ? NULL : spelled_out(a, e->args, e->args + n, n, op, location, ret);
}

static struct error *two_rows(struct analysis *a, struct scope *s, const Node *l, const Node *r,
                              int location, int *ret_n, struct expr ***ret_l, struct expr ***ret_r)
{
    struct target *fields[2];
    int n[2];
    TRY(sql__row_fields(a, s, l, &n[0], &fields[0]));
    TRY(sql__row_fields(a, s, r, &n[1], &fields[1]));
    if (n[0] != n[1])
        return sql__at(a, error_new(E_SYNTAX, "unequal number of entries in row expressions"),
                       location);
    *ret_n = n[0];
    *ret_l = ARENA_ARRAY(a->arena, struct expr *, MAX(n[0], 1));
    *ret_r = ARENA_ARRAY(a->arena, struct expr *, MAX(n[0], 1));
    for (int i = 0; i < n[0]; i++) {
        (*ret_l)[i] = fields[0][i].expr;
        (*ret_r)[i] = fields[1][i].expr;
    }
    return NULL;
}

struct error *sql__row_compare(struct analysis *a, struct scope *s, const Node *l, const Node *r,
                               const char *op, int location, struct expr **ret)
{
    struct expr **left, **right;
    int n;
    if (!IsA(l, RowExpr) || !IsA(r, RowExpr)) { /* as records: NULLs are equal, and have an order */
        struct expr *pair[2];
        TRY(sql__row_value(a, s, l, &pair[0]));
        TRY(sql__row_value(a, s, r, &pair[1]));
        return sql__call(a, op, pair, 2, location, ret);
    }
    TRY(two_rows(a, s, l, r, location, &n, &left, &right));
    if (n == 0)
        return sql__at(a, error_new(E_UNSUPPORTED, "cannot compare rows of zero length"), location);
    const char *name = row_operator(op);
    if (!name)
        return sql__unsupported(a, location, "Compare the values one by one.",
                                "row comparison operator is not supported: %s", op);
    return compare_fields(a, left, right, n, name, location, ret);
}

struct error *sql__row_distinct(struct analysis *a, struct scope *s, const Node *l, const Node *r,
                                int location, struct expr **ret)
{
    struct expr **left, **right;
    int n;
    TRY(two_rows(a, s, l, r, location, &n, &left, &right));
    if (n == 0)
        return sql__at(a, error_new(E_UNSUPPORTED, "cannot compare rows of zero length"), location);
    struct expr *any = sql__new_expr(a, EXPR_OR, OID_BOOL, location, n);
    for (int i = 0; i < n; i++) {
        struct expr *p[2] = {left[i], right[i]};
        const struct func *f;
        TRY(sql__operator(a, "=", p, 2, location, &f));
        any->args[i] = both(a, EXPR_DISTINCT, p[0], p[1], location);
        any->args[i]->call.func = f;
    }
    *ret = n > 1 ? any : any->args[0];
    return NULL;
}

/* All fields are NULL; or none is. */
struct error *sql__row_null_test(struct analysis *a, struct scope *s, const Node *n, bool is_null,
                                 int location, struct expr **ret)
{
    struct target *fields;
    int count;
    TRY(sql__row_fields(a, s, n, &count, &fields));
    struct expr *all = sql__new_expr(a, EXPR_AND, OID_BOOL, location, count);
    for (int i = 0; i < count; i++) {
        sql__default_unknown(a, &fields[i].expr);
        all->args[i] = sql__new_expr(a, EXPR_IS, OID_BOOL, location, 1);
        all->args[i]->args[0] = fields[i].expr;
        all->args[i]->test = is_null ? IS_NULL : IS_NOT_NULL;
    }
    if (count == 0)
        all = sql__const_int(a, OID_BOOL, 1);
    *ret = count == 1 ? all->args[0] : all;
    return NULL;
}

/* ---- records ------------------------------------------------------------------------------ */

/* A composite type's fields have the names that the type says. A literal's type stays unknown in a
 * record, which drivers see in binary, and comparisons refuse. */
static struct error *make_record(struct analysis *a, struct target *fields, int n, uint32_t type,
                                 int location, struct expr **ret)
{
    _cleanup_(buf_done) struct buf head = {0};
    if (n > SQL__RECORD_FIELDS)
        return sql__unsupported(a, location, "Name the columns that you need.",
                                "a row of more than %d columns as a value is not supported",
                                SQL__RECORD_FIELDS);
    struct expr *e = sql__new_expr(a, EXPR_FUNC, type, location, n + 1);
    for (int i = 0; i < n; i++) {
        struct expr *field = fields[i].expr;
        bool literal =
            type == OID_RECORD && field->type == OID_UNKNOWN && field->kind == EXPR_CONST;
        e->args[i + 1] = field;
        a->q->literals_matter |=
            a->lifted && field->type == OID_UNKNOWN && field->kind == EXPR_PARAM;
        sql__default_unknown(a, &e->args[i + 1]);
        types_record_head(literal ? OID_UNKNOWN : e->args[i + 1]->type,
                          type == OID_RECORD ? fields[i].name : "", &head);
    }
    e->args[0] = sql__const(
        a, OID_TEXT,
        (struct value){
            .kind = VALUE_TEXT,
            .s = {arena_strndup(a->arena, head.data ? head.data : "", head.len), head.len}},
        -1);
    e->call.func = record_func(RECORD_MAKE);
    *ret = e;
    return NULL;
}

struct error *sql__make_record(struct analysis *a, struct target *fields, int n, struct expr **ret)
{
    return make_record(a, fields, n, OID_RECORD, -1, ret);
}

struct expr *sql__record_depth(struct analysis *a, struct expr *record)
{
    return value_field(a, record, 0, &(struct composite_attribute){.type = OID_INT8, .typmod = -1},
                       -1);
}

bool sql__is_made_row(const struct expr *e)
{
    return e->kind == EXPR_FUNC && e->type == OID_RECORD &&
           e->call.func == record_func(RECORD_MAKE);
}

static struct error *no_composite(const struct analysis *a, const struct expr *row, uint32_t type,
                                  const char *why)
{
    return sql__at(a,
                   error_detail(error_new("42846", "cannot cast type %s to %s",
                                          sql__type(a, OID_RECORD), sql__type(a, type)),
                                "%s", why),
                   row->position - 1);
}

struct error *sql__to_composite(struct analysis *a, struct expr *row, uint32_t type,
                                enum cast_context context, struct expr **ret)
{
    struct composite_attribute *want, *have;
    int n = record_shape(type_by_oid(type), NULL, a->arena, &want);
    int given = record_shape(type_by_oid(OID_RECORD), &row->args[0]->value, a->arena, &have);
    struct target *fields = ARENA_ARRAY(a->arena, struct target, n + 1);
    if (given != n)
        return no_composite(
            a, row, type, given < n ? "Input has too few columns." : "Input has too many columns.");
    for (int i = 0; i < n; i++) {
        struct expr *e = row->args[i + 1];
        if (have[i].type == OID_UNKNOWN) { /* a literal, as it was before it became a text */
            e = sql__const(a, OID_UNKNOWN, e->value, e->position - 1);
        } else if (!sql__can_coerce(e, want[i].type, context)) {
            return no_composite(a, row, type,
                                arena_printf(a->arena, "Cannot cast type %s to %s in column %d.",
                                             sql__type(a, e->type), sql__type(a, want[i].type),
                                             i + 1));
        }
        TRY(sql__coerce(a, e, want[i].type, want[i].typmod, context, &fields[i].expr));
    }
    return make_record(a, fields, n, type, row->position - 1, ret);
}

/* One more column, which no name finds. */
static int add_column(struct analysis *a, int *n, struct rte_column **columns, uint32_t type)
{
    struct rte_column *grown = ARENA_ARRAY(a->arena, struct rte_column, *n + 1);
    if (*n)
        memcpy(grown, *columns, sizeof(*grown) * (size_t)*n);
    grown[*n] = (struct rte_column){.name = "", .type = type, .typmod = -1, .not_null = true};
    *columns = grown;
    return (*n)++;
}

/* A select that gives 1 in one more column. */
static void add_one(struct analysis *a, struct select *sel)
{
    if (sel->kind == SELECT_SETOP) {
        add_one(a, sel->left);
        add_one(a, sel->right);
    }
    for (int i = 0; i < sel->n_rows && sel->kind == SELECT_VALUES; i++) {
        struct expr **row = ARENA_ARRAY(a->arena, struct expr *, sel->n_targets + 1);
        memcpy(row, sel->rows[i], sizeof(*row) * (size_t)sel->n_targets);
        row[sel->n_targets] = sql__const_int(a, OID_INT4, 1);
        sel->rows[i] = row;
    }
    struct target *grown = ARENA_ARRAY(a->arena, struct target, sel->n_targets + 1);
    if (sel->n_targets)
        memcpy(grown, sel->targets, sizeof(*grown) * (size_t)sel->n_targets);
    grown[sel->n_targets++] = (struct target){.expr = sql__const_int(a, OID_INT4, 1), .name = ""};
    sel->targets = grown;
}

/* What is NULL only where an outer join found no row; *ret NULL: there is no such thing. */
static struct error *present(struct analysis *a, struct rte *r, int location, struct expr **ret)
{
    struct cte *c = r->kind == RTE_CTE && !r->cte->recursive && !r->cte->write ? r->cte : NULL;
    struct select *sel = c ? c->select : r->kind == RTE_SUBQUERY ? r->select : NULL;
    int column = -1;
    *ret = NULL;
    for (int i = 0; i < r->n_columns && column < 0; i++)
        column = r->columns[i].not_null ? i : -1;
    if (column < 0 && r->kind == RTE_TABLE && r->table->id && sql_rowid_name(r->table))
        return sql__row_number(a, r, location, ret);
    if (column < 0 && r->kind == RTE_CALLS) {
        r->ordinality = true;
        column = add_column(a, &r->n_columns, &r->columns, OID_INT8);
    } else if (column < 0 && sel && sel->n_targets == r->n_columns) {
        add_one(a, sel);
        column = add_column(a, &r->n_columns, &r->columns, OID_INT4);
        if (c)
            add_column(a, &c->n_columns, &c->columns, OID_INT4);
    }
    if (column >= 0)
        *ret = sql__column(a, r, column, location);
    return NULL;
}

/* NULL where an outer join found no row. */
static struct error *missing_row(struct analysis *a, struct name_item *item, int location,
                                 struct expr *record, struct expr **ret)
{
    struct rte *r = item->rte;
    struct expr *one;
    *ret = record;
    if (!r || !r->nullable)
        return NULL;
    TRY(present(a, r, location, &one));
    if (!one)
        return sql__unsupported(a, location, "Name the columns that you need.",
                                "a whole row of an outer join's optional side is not supported "
                                "here: \"%s\"",
                                r->name);
    struct expr *test = sql__new_expr(a, EXPR_IS, OID_BOOL, location, 1);
    test->args[0] = one;
    test->test = IS_NOT_NULL;
    *ret = sql__new_expr(a, EXPR_CASE, record->type, location, 3);
    (*ret)->args[0] = test;
    (*ret)->args[1] = record;
    (*ret)->args[2] = sql__const_null(a, record->type, location);
    return NULL;
}

struct error *sql__missing_row(struct analysis *a, struct scope *s, const Node *n,
                               struct expr *value, struct expr **ret)
{
    struct scope *at;
    struct name_item *item = NULL;
    *ret = value;
    return row_name(a, s, n, &at, &item) ? missing_row(a, item, sql__location(n), value, ret)
                                         : NULL;
}

struct error *sql__row_value(struct analysis *a, struct scope *s, const Node *n, struct expr **ret)
{
    struct target *fields;
    int count;
    TRY(sql__row_fields(a, s, n, &count, &fields));
    TRY(make_record(a, fields, count, OID_RECORD, sql__location(n), ret));
    return sql__missing_row(a, s, n, *ret, ret);
}

/* Some types are not equal to anything, or have no order; so do their arrays. */
static bool has_operators(uint32_t type, bool order)
{
    const struct type *t = type_by_oid(type);
    if (t && t->category == 'A' && t->element)
        type = t->element;
    return type != OID_JSON && type != OID_JSONPATH && (type != OID_XID || !order);
}

struct error *sql__compares(const struct analysis *a, uint32_t type, bool array, bool order)
{
    const struct type *t = type_by_oid(type);
    if (has_operators(type, order))
        return NULL;
    return error_new(E_UNDEFINED_FUNCTION, "could not identify %s for type %s",
                     order ? "a comparison function" : "an equality operator",
                     sql__type(a, array && t ? t->element : type));
}

struct error *sql__record_rules(struct analysis *a, const struct expr *e, const char *clause)
{
    bool orders = strcmp(clause, "ORDER BY") == 0;
    if (orders && !has_operators(e->type, true))
        return sql__at(a,
                       error_hint(error_new(E_UNDEFINED_FUNCTION,
                                            "could not identify an ordering operator for type %s",
                                            sql__type(a, e->type)),
                                  "Use an explicit ordering operator or modify the query."),
                       e->position - 1);
    if (!has_operators(e->type, false))
        return sql__at(a,
                       error_new(E_UNDEFINED_FUNCTION,
                                 "could not identify an equality operator for type %s",
                                 sql__type(a, e->type)),
                       e->position - 1);
    struct composite_attribute *shape;
    int n = -1;
    if (sql__is_row_type(e->type))
        value_shape(a, e, &n, &shape);
    for (int i = 0; i < n; i++)
        if (!has_operators(shape[i].type, orders))
            return sql__at(a, sql__compares(a, shape[i].type, false, orders), e->position - 1);
    return NULL;
}

/* ---- (t).x -------------------------------------------------------------------------------- */

struct error *sql__row_field(struct analysis *a, struct scope *s, const Node *row, const char *name,
                             int location, struct expr **ret)
{
    struct target *fields;
    int n;
    TRY(sql__row_fields(a, s, row, &n, &fields));
    for (int i = 0; i < n; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            *ret = fields[i].expr;
            return NULL;
        }
    }
    struct scope *at;
    struct name_item *item;
    if (!row_name(a, s, row, &at, &item))
        return sql__at(a,
                       error_new(E_UNDEFINED_COLUMN,
                                 "could not identify column \"%s\" in record data type", name),
                       location);
    return sql__at(a,
                   error_new(E_UNDEFINED_COLUMN, "column %s.%s does not exist",
                             strVal(llast(((const ColumnRef *)row)->fields)), name),
                   location);
}
