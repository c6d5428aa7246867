/*
 * Arrays in expressions: ARRAY[..], ARRAY(SELECT ..), subscripts and slices, op ANY/ALL (array),
 * assignment to items.
 *
 * Most become calls of functions of types/array.c, which nobody else calls by these names:
 * minisql_array(items), minisql_array_get(array, subscripts), .. Only op ANY/ALL (array) is a kind
 * of expression of its own, so that SQLite may use an index for `id = ANY ($1)`.
 */
#include "sql_int.h"

enum { MAX_ITEMS = 50 }; /* of one call; more are concatenated */

/* ---- ARRAY[..] ------------------------------------------------------------------------------- */

static uint32_t array_type(uint32_t element)
{
    const struct type *t = type_by_oid(element);
    return t ? t->array : 0;
}

static bool is_array(uint32_t oid)
{
    const struct type *t = type_by_oid(oid);
    return t && t->category == 'A';
}

/* A call of `name` over the items; of halves joined by || where they are many. Constants alone are
 * computed now. */
static struct error *make(struct analysis *a, const char *name, struct expr **items, int n,
                          int location, struct expr **ret)
{
    int half = n / 2;
    struct expr *halves[2];
    if (n <= MAX_ITEMS) {
        TRY(sql__call_kind(a, name, FUNC_SCALAR, items, n, location, ret));
    } else {
        TRY(make(a, name, items, half, location, &halves[0]));
        TRY(make(a, name, items + half, n - half, location, &halves[1]));
        TRY(sql__call_kind(a, "array_cat", FUNC_SCALAR, halves, 2, location, ret));
    }
    sql__fold_call(a, ret);
    return NULL;
}

static struct error *empty_array(struct analysis *a, uint32_t type, int location, struct expr **ret)
{
    if (!type)
        return sql__at(
            a,
            error_hint(error_new("42P18", "cannot determine type of empty array"),
                       "Explicitly cast to the desired type, for example ARRAY[]::integer[]."),
            location);
    *ret = sql__const(a, type, (struct value){.kind = VALUE_TEXT, .s = {"{}", 2}}, location);
    return NULL;
}

/* `type`: of the array, when a cast says it; 0. Nested lists have the same one. */
struct error *sql__array_expr(struct analysis *a, struct scope *s, const A_ArrayExpr *n,
                              uint32_t type, int32_t typmod, struct expr **ret)
{
    int count = list_length(n->elements);
    struct expr **items = ARENA_ARRAY(a->arena, struct expr *, MAX(count, 1));
    bool nested = false;
    TRY(sql__enter(a, n->location));
    if (!count) {
        sql__leave(a);
        return empty_array(a, type, n->location, ret);
    }
    for (int i = 0; i < count; i++) {
        const Node *item = list_nth(n->elements, i);
        if (IsA(item, A_ArrayExpr)) {
            TRY(sql__array_expr(a, s, (const A_ArrayExpr *)(const void *)item, type, typmod,
                                &items[i]));
            nested = true;
        } else {
            TRY(sql__expr(a, s, item, &items[i]));
        }
        nested |= is_array(items[i]->type);
    }
    sql__leave(a);
    uint32_t common = nested ? type : type ? type_by_oid(type)->element : 0;
    if (!common)
        TRY(sql__common_type(a, items, count, "ARRAY", &common));
    for (int i = 0; i < count; i++)
        TRY(sql__coerce(a, items[i], common, type ? typmod : -1,
                        type ? CAST_EXPLICIT : CAST_IMPLICIT, &items[i]));
    if (!nested && !array_type(common))
        return sql__at(a,
                       error_new(E_UNDEFINED_OBJECT, "could not find array type for data type %s",
                                 sql__type(a, common)),
                       n->location);
    TRY(make(a, nested ? "minisql_array_nested" : "minisql_array", items, count, n->location, ret));
    (*ret)->typmod = sql__common_typmod(items, count, common);
    return NULL;
}

/* ---- op ANY (array), op ALL (array) ------------------------------------------------------------
 */

static struct error *no_array(const struct analysis *a, int location)
{
    return sql__at(a, error_new("42809", "op ANY/ALL (array) requires array on right side"),
                   location);
}

struct error *sql__array_any(struct analysis *a, struct expr *left, struct expr *right,
                             const char *op, bool all, int location, struct expr **ret)
{
    const struct type *array = type_by_oid(right->type);
    if (right->type != OID_UNKNOWN && (!array || !array->element))
        return no_array(a, location);
    uint32_t types[2] = {left->type, right->type == OID_UNKNOWN ? OID_UNKNOWN : array->element};
    struct expr *e = sql__new_expr(a, EXPR_ANY, OID_BOOL, location, 2);
    struct binding b;
    TRY(sql__at(a, func_resolve(op, FUNC_OPERATOR, types, 2, &e->call.func), location));
    TRY(sql__at(a, func_bind(e->call.func, types, 2, &b), location));
    if (b.result != OID_BOOL)
        return sql__at(a,
                       error_new("42809", "op ANY/ALL (array) requires operator to yield boolean"),
                       location);
    if (e->call.func->typed || !array_type(b.args[1]))
        return no_array(a, location);
    TRY(sql__coerce(a, left, b.args[0], -1, CAST_IMPLICIT, &e->args[0]));
    uint32_t to = array_type(b.args[1]);
    if (types[1] != b.args[1]) /* an int2vector stays one */
        TRY(sql__coerce(a, right, to, -1, CAST_IMPLICIT, &right));
    e->args[1] = right;
    e->call.all = all;
    a->q->volatile_ |= e->call.func->volatile_;
    *ret = e;
    return NULL;
}

/* ---- subscripts --------------------------------------------------------------------------------
 */

static struct error *subscript(struct analysis *a, struct scope *s, const Node *n,
                               struct expr **ret)
{
    if (!n) { /* see left_out() */
        *ret = sql__const_int(a, OID_INT4, 0);
        return NULL;
    }
    TRY(sql__expr(a, s, n, ret));
    if (!sql__can_coerce(*ret, OID_INT4, CAST_ASSIGNMENT))
        return sql__at(a, error_new(E_TYPE_MISMATCH, "array subscript must have type integer"),
                       (*ret)->position - 1);
    return sql__coerce(a, *ret, OID_INT4, -1, CAST_ASSIGNMENT, ret);
}

static bool has_slice(const List *indirection)
{
    for (int i = 0; i < list_length(indirection); i++) {
        const A_Indices *n = list_nth(indirection, i);
        if (IsA(n, A_Indices) && n->is_slice)
            return true;
    }
    return false;
}

/* Which bounds of a slice are not given: bits, of the first lower one, the first upper one, .. */
static int left_out(const List *indirection)
{
    int bits = 0;
    for (int i = 0; i < list_length(indirection); i++) {
        const A_Indices *n = list_nth(indirection, i);
        bits |= (IsA(n, A_Indices) && n->is_slice && !n->lidx) << (2 * i);
        bits |= (IsA(n, A_Indices) && !n->uidx) << (2 * i + 1);
    }
    return bits;
}

/* Of a[1][2] the subscripts, of a slice left_out() and both bounds of each; a[2] among slices is
 * a[1:2]. */
static struct error *subscripts(struct analysis *a, struct scope *s, const List *indirection,
                                bool slice, struct list *ret)
{
    if (slice)
        sql__push(a->arena, ret, sql__const_int(a, OID_INT4, left_out(indirection)));
    for (int i = 0; i < list_length(indirection); i++) {
        const A_Indices *n = list_nth(indirection, i);
        struct expr *e;
        if (slice) {
            if (n->is_slice)
                TRY(subscript(a, s, n->lidx, &e));
            else
                e = sql__const_int(a, OID_INT4, 1);
            sql__push(a->arena, ret, e);
        }
        TRY(subscript(a, s, n->uidx, &e));
        sql__push(a->arena, ret, e);
    }
    return NULL;
}

static struct error *check_subscripts(const struct analysis *a, uint32_t type, int n, int location)
{
    if (!is_array(type))
        return sql__at(
            a,
            error_new(E_TYPE_MISMATCH,
                      "cannot subscript type %s because it does not support subscripting",
                      sql__type(a, type)),
            location);
    if (n > 6)
        return error_new("54000", "number of array dimensions (%d) exceeds the maximum allowed (6)",
                         n);
    return NULL;
}

struct error *sql__subscript(struct analysis *a, struct scope *s, struct expr *array,
                             const List *indirection, struct expr **ret)
{
    struct list args = {0};
    bool slice = has_slice(indirection);
    if (array->type == OID_NAME && !slice &&
        list_length(indirection) == 1) { /* its bytes, from 0 */
        sql__push(a->arena, &args, array);
        TRY(subscripts(a, s, indirection, false, &args));
        return sql__call_kind(a, "minisql_name_get", FUNC_SCALAR, (struct expr **)args.items,
                              args.n, array->position - 1, ret);
    }
    TRY(check_subscripts(a, array->type, list_length(indirection), array->position - 1));
    sql__push(a->arena, &args, array);
    TRY(subscripts(a, s, indirection, slice, &args));
    TRY(sql__call_kind(a, slice ? "minisql_array_slice" : "minisql_array_get", FUNC_SCALAR,
                       (struct expr **)args.items, args.n, array->position - 1, ret));
    (*ret)->typmod = array->typmod;
    return NULL;
}

uint32_t sql__item_type(struct analysis *a, uint32_t type, const List *indirection)
{
    if (!list_length(indirection))
        return type;
    if (!IsA(linitial(indirection), A_Indices))
        return sql__item_type(a, sql__field_type(a, type, strVal(linitial(indirection))),
                              sql__list_from(a, indirection, 1));
    const List *own = sql__subscripts(a, indirection, 0);
    uint32_t item = is_array(type) && !has_slice(own) ? type_by_oid(type)->element : type;
    return sql__item_type(a, item, sql__list_from(a, indirection, list_length(own)));
}

/* a[1].f = x: a[1] with x in its f, on its way into a */
static struct error *set_within(struct analysis *a, struct scope *s, const struct column *column,
                                struct expr *before, const List *own, const List *rest,
                                int location, struct expr **value)
{
    struct expr *item;
    const struct column part = {.name = column->name,
                                .type = sql__item_type(a, column->type, own),
                                .typmod = column->typmod};
    TRY(sql__subscript(a, s, before, own, &item));
    return sql__set_item(a, s, &part, item, rest, *value, location, value);
}

/* The array `before` with `value` in the place that the subscripts say. */
struct error *sql__set_item(struct analysis *a, struct scope *s, const struct column *column,
                            struct expr *before, const List *indirection, struct expr *value,
                            int location, struct expr **ret)
{
    struct list args = {0};
    if (column->type == OID_JSONB)
        return sql__set_json_item(a, s, column, before, indirection, value, location, ret);
    if (!IsA(linitial(indirection), A_Indices))
        return sql__set_field(a, s, column, before, indirection, value, location, ret);
    const List *own = sql__subscripts(a, indirection, 0);
    const List *rest = sql__list_from(a, indirection, list_length(own));
    bool slice = has_slice(own);
    TRY(check_subscripts(a, column->type, list_length(own), location));
    if (list_length(rest))
        TRY(set_within(a, s, column, before, own, rest, location, &value));
    uint32_t type = sql__item_type(a, column->type, own);
    if (!sql__can_coerce(value, type, CAST_ASSIGNMENT)) {
        struct error *e = error_new(
            E_TYPE_MISMATCH,
            "subscripted assignment to \"%s\" requires type %s but expression is of type %s",
            column->name, sql__type(a, type), sql__type(a, value->type));
        error_hint(e, "You will need to rewrite or cast the expression.");
        return sql__at(a, e, location);
    }
    TRY(sql__coerce(a, value, type, column->typmod, CAST_ASSIGNMENT, &value));
    sql__push(a->arena, &args, before);
    sql__push(a->arena, &args, value);
    TRY(subscripts(a, s, own, slice, &args));
    TRY(sql__call_kind(a, slice ? "minisql_array_set_slice" : "minisql_array_set", FUNC_SCALAR,
                       (struct expr **)args.items, args.n, location, ret));
    (*ret)->typmod = column->typmod;
    return NULL;
}

/* ---- ARRAY(SELECT ..) ---------------------------------------------------------------------------
 */

struct error *sql__array_select(struct analysis *a, struct select *sel, int location,
                                struct expr **ret)
{
    uint32_t type = sel->targets[0].expr->type;
    uint32_t array = is_array(type) ? type : array_type(type);
    if (!array)
        return sql__at(a,
                       error_new(E_UNDEFINED_OBJECT, "could not find array type for data type %s",
                                 sql__type(a, type)),
                       location);
    struct expr *e = sql__new_expr(a, EXPR_SUBQUERY, array, location, 0);
    e->sub.kind = SUBQUERY_ARRAY;
    e->sub.select = sel;
    e->typmod = sel->targets[0].expr->typmod;
    *ret = e;
    return NULL;
}
