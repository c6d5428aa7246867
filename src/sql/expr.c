/*
 * Expressions: raw node -> typed struct expr. One function for each kind of node; sql__expr() is
 * the table of them.
 */
#include "sql_int.h"

/* ---- constants
 * ------------------------------------------------------------------------------------------ */

/* PostgreSQL's make_const: integers that don't fit int4 are int8, else numeric. */
static struct error *float_const(struct analysis *a, const A_Const *c, struct expr **ret)
{
    const char *text = arena_strdup(a->arena, castNode(Float, &c->val)->fval);
    const char *p = text + (*text == '-');
    if (!p[strspn(p, "0123456789")]) {
        char *end;
        errno = 0;
        long long i = strtoll(text, &end, 10);
        if (errno == 0) {
            uint32_t type = i >= INT32_MIN && i <= INT32_MAX ? OID_INT4 : OID_INT8;
            *ret = sql__const(a, type, (struct value){.kind = VALUE_INT, .i = i}, c->location);
            return NULL;
        }
    }
    struct value v;
    TRY(sql__at(a, type_parse(type_by_oid(OID_NUMERIC), text, strlen(text), -1, a->arena, &v),
                c->location));
    *ret = sql__const(a, OID_NUMERIC, v, c->location);
    return NULL;
}

static struct error *constant(struct analysis *a, struct scope *s, const Node *n, struct expr **ret)
{
    (void)s;
    const A_Const *c = (const A_Const *)n;
    if (c->isnull) {
        *ret = sql__const_null(a, OID_UNKNOWN, c->location);
        return NULL;
    }
    switch (nodeTag(&c->val)) {
    case T_Integer:
        *ret = sql__const_int(a, OID_INT4, intVal(&c->val));
        (*ret)->position = c->location + 1;
        return NULL;
    case T_Float:
        return float_const(a, c, ret);
    case T_Boolean:
        *ret = sql__const_int(a, OID_BOOL, boolVal(&c->val));
        (*ret)->position = c->location + 1;
        return NULL;
    case T_String: {
        size_t len = strlen(strVal(&c->val));
        struct value v = {.kind = VALUE_TEXT,
                          .s = {arena_strndup(a->arena, strVal(&c->val), len), len}};
        *ret = sql__const(a, OID_UNKNOWN, v, c->location);
        return NULL;
    }
    default: { /* B'101' and X'1F' are "b101" and "x1F" */
        const char *text = castNode(BitString, &c->val)->bsval;
        struct value v;
        TRY(sql__at(a, type_parse(type_by_oid(OID_BIT), text, strlen(text), -1, a->arena, &v),
                    c->location));
        *ret = sql__const(a, OID_BIT, v, c->location);
        return NULL;
    }
    }
}

static struct error *param_ref(struct analysis *a, struct scope *s, const Node *n,
                               struct expr **ret)
{
    (void)s;
    const ParamRef *p = (const ParamRef *)n;
    if (p->number == 0)
        return sql__at(a, error_new(E_SYNTAX, "syntax error at or near \"?\""), p->location);
    TRY(sql__param(a, p->number, p->location, ret));
    /* of one that is inferred the statement is analysed once more: see sql_analyse() */
    bool announced = p->number <= a->ctx->n_params;
    return announced ? sql__param_of_domain(a, *ret, a->param_domains[p->number - 1], ret) : NULL;
}

static struct error *column_ref(struct analysis *a, struct scope *s, const Node *n,
                                struct expr **ret)
{
    return sql__column_ref(a, s, (const ColumnRef *)n, ret);
}

/* ---- operators
 * ------------------------------------------------------------------------------------------- */

static struct expr *negate(struct analysis *a, struct expr *e)
{
    struct expr *not = sql__new_expr(a, EXPR_NOT, OID_BOOL, e->position - 1, 1);
    not ->args[0] = e;
    return not ;
}

static struct expr *pair(struct analysis *a, enum expr_kind kind, struct expr *l, struct expr *r)
{
    struct expr *e = sql__new_expr(a, kind, OID_BOOL, l->position - 1, 2);
    e->args[0] = l;
    e->args[1] = r;
    return e;
}

static struct error *plain_operator(struct analysis *a, struct scope *s, const A_Expr *n,
                                    const char *op, struct expr **ret)
{
    struct expr *args[2];
    int count = 0;
    if (sql__is_row(a, s, n->lexpr) && sql__is_row(a, s, n->rexpr))
        return sql__row_compare(a, s, n->lexpr, n->rexpr, op, n->location, ret);
    if (n->lexpr && IsA(n->lexpr, RowExpr) && n->rexpr && IsA(n->rexpr, SubLink) &&
        ((const SubLink *)n->rexpr)->subLinkType == EXPR_SUBLINK)
        return sql__row_sublink(a, s, n->lexpr, (const SubLink *)n->rexpr, op, n->location, ret);
    if (n->lexpr)
        TRY(sql__expr(a, s, n->lexpr, &args[count++]));
    if (n->rexpr)
        TRY(sql__expr(a, s, n->rexpr, &args[count++]));
    return sql__call(a, op, args, count, n->location, ret);
}

static struct error *distinct_from(struct analysis *a, struct scope *s, const A_Expr *n,
                                   struct expr **ret)
{
    struct expr *args[2];
    const struct func *f;
    if (sql__is_row(a, s, n->lexpr) && sql__is_row(a, s, n->rexpr)) {
        TRY(sql__row_distinct(a, s, n->lexpr, n->rexpr, n->location, ret));
        if (n->kind == AEXPR_NOT_DISTINCT)
            *ret = negate(a, *ret);
        return NULL;
    }
    TRY(sql__expr(a, s, n->lexpr, &args[0]));
    TRY(sql__expr(a, s, n->rexpr, &args[1]));
    TRY(sql__operator(a, "=", args, 2, n->location, &f));
    *ret = pair(a, EXPR_DISTINCT, args[0], args[1]);
    (*ret)->call.func = f;
    if (n->kind == AEXPR_NOT_DISTINCT)
        *ret = negate(a, *ret);
    return NULL;
}

/* Has PostgreSQL an = of these two as they are? Then neither is cast. */
static bool has_own_equal(uint32_t a, uint32_t b)
{
#define IS_INT(t) ((t) == OID_INT2 || (t) == OID_INT4 || (t) == OID_INT8)
#define IS_FLOAT(t) ((t) == OID_FLOAT4 || (t) == OID_FLOAT8)
    return (IS_INT(a) && IS_INT(b)) || (IS_FLOAT(a) && IS_FLOAT(b));
#undef IS_INT
#undef IS_FLOAT
}

static struct error *nullif(struct analysis *a, struct scope *s, const A_Expr *n, struct expr **ret)
{
    struct expr *args[2];
    const struct func *f;
    TRY(sql__expr(a, s, n->lexpr, &args[0]));
    TRY(sql__expr(a, s, n->rexpr, &args[1]));
    uint32_t type = args[0]->type, domain = args[0]->domain;
    bool own = has_own_equal(type, args[1]->type);
    TRY(sql__operator(a, "=", args, 2, n->location, &f));
    struct expr *e = pair(a, EXPR_NULLIF, args[0], args[1]);
    e->call.func = f;
    e->type = args[0]->type;
    e->typmod = args[0]->typmod;
    e->domain = domain;
    e->position = n->location + 1;
    sql__simplify_nullif(a, e);
    if (own && type != e->type) /* else what = compares is the result */
        TRY(sql__coerce(a, e, type, -1, CAST_EXPLICIT, &e));
    *ret = e;
    return NULL;
}

static bool find_column(void *ctx, const struct expr *e)
{
    bool *found = ctx;
    *found |= e->kind == EXPR_COLUMN;
    return !*found;
}

static bool has_column(const struct expr *e)
{
    bool found = false;
    expr_walk(e, true, find_column, &found);
    return found;
}

/* args[0] IN (args[1], ..), all of one type */
static struct error *typed_list(struct analysis *a, struct expr *e, uint32_t type, int location)
{
    for (int i = 1; i < e->n_args; i++)
        TRY(sql__coerce(a, e->args[i], type, -1, CAST_IMPLICIT, &e->args[i]));
    TRY(sql__operator(a, "=", e->args, 2, location, &e->call.func));
    for (int i = 2; i < e->n_args; i++)
        TRY(sql__coerce(a, e->args[i], e->args[1]->type, -1, CAST_IMPLICIT, &e->args[i]));
    return NULL;
}

static bool mixes_types(const struct expr *e)
{
    bool mixed = false;
    for (int i = 1; i < e->n_args; i++)
        mixed |= e->args[i]->type != OID_UNKNOWN && e->args[i]->type != e->args[0]->type;
    return mixed && e->args[0]->type != OID_UNKNOWN;
}

/* Several types: what holds columns is compared by itself, the rest together if they have a common
 * type (PostgreSQL's transformAExprIn). */
static struct error *mixed_list(struct analysis *a, const struct expr *e, int location,
                                struct expr **ret)
{
    struct expr *list = sql__new_expr(a, EXPR_IN, OID_BOOL, location, e->n_args), *one;
    struct list alternatives = {0};
    uint32_t type;
    list->args[0] = e->args[0];
    list->n_args = 1;
    for (int i = 1; i < e->n_args; i++) {
        if (!has_column(e->args[i]))
            list->args[list->n_args++] = e->args[i];
    }
    struct error *apart =
        list->n_args > 2 ? sql__common_type(a, list->args, list->n_args, "IN", &type) : NULL;
    bool together = list->n_args > 2 && !apart;
    error_free(apart);
    if (together) {
        TRY(typed_list(a, list, type, location));
        sql__push(a->arena, &alternatives, list);
    }
    for (int i = 1; i < e->n_args; i++) {
        if (together && !has_column(e->args[i]))
            continue;
        TRY(sql__call(a, "=", (struct expr *[]){e->args[0], e->args[i]}, 2, location, &one));
        sql__push(a->arena, &alternatives, one);
    }
    if (alternatives.n == 1) {
        *ret = alternatives.items[0];
        return NULL;
    }
    *ret = sql__new_expr(a, EXPR_OR, OID_BOOL, location, alternatives.n);
    memcpy((*ret)->args, alternatives.items, sizeof(struct expr *) * (size_t)alternatives.n);
    return NULL;
}

static bool is_list_of_values(const A_Expr *n)
{
    const char *op = strVal(llast(n->name));
    return IsA(n->rexpr, A_ArrayExpr) && !IsA(n->lexpr, RowExpr) &&
           list_length(((const A_ArrayExpr *)(const void *)n->rexpr)->elements) > 0 &&
           strcmp(op, n->kind == AEXPR_OP_ANY ? "=" : "<>") == 0;
}

static struct error *any_array(struct analysis *a, struct scope *s, const A_Expr *n, const char *op,
                               struct expr **ret);

/* An array is computed as a whole before anything is compared with it, so that each of its items
 * may fail; IN ends with the first that is found. */
static bool is_computed(const struct expr *e)
{
    return e->kind != EXPR_COLUMN && has_column(e);
}

static struct error *in_list(struct analysis *a, struct scope *s, const A_Expr *n, const List *list,
                             struct expr **ret)
{
    int count = list_length(list);
    bool negated = strcmp(strVal(llast(n->name)), "<>") == 0;
    if (IsA(n->lexpr, RowExpr)) {
        struct expr *any =
            count > 1 ? sql__new_expr(a, EXPR_OR, OID_BOOL, n->location, count) : NULL;
        for (int i = 0; i < count; i++) {
            const Node *row = list_nth(list, i);
            if (!IsA(row, RowExpr))
                return sql__at(a,
                               error_new(E_SYNTAX, "unequal number of entries in row expressions"),
                               n->location);
            TRY(sql__row_compare(a, s, n->lexpr, row, "=", n->location, any ? &any->args[i] : ret));
        }
        *ret = any ? any : *ret;
    } else {
        struct expr *e = sql__new_expr(a, EXPR_IN, OID_BOOL, n->location, count + 1);
        TRY(sql__expr(a, s, n->lexpr, &e->args[0]));
        bool as_array = false; /* x = ANY (ARRAY[[1], [2]]) is about their items, too */
        for (int i = 0; i < count; i++) {
            TRY(sql__expr(a, s, list_nth(list, i), &e->args[i + 1]));
            as_array |=
                type_by_oid(e->args[i + 1]->type)->category == 'A' || is_computed(e->args[i + 1]);
        }
        if (as_array && n->kind != AEXPR_IN)
            return any_array(a, s, n, strVal(linitial(n->name)), ret);
        *ret = e;
        if (mixes_types(e)) {
            TRY(mixed_list(a, e, n->location, ret));
        } else {
            uint32_t type;
            TRY(sql__common_type(a, e->args, count + 1, "IN", &type));
            TRY(typed_list(a, e, type, n->location));
            sql__simplify_in(a, e);
        }
    }
    if (negated)
        *ret = negate(a, *ret);
    return NULL;
}

static struct error *range(struct analysis *a, struct expr *x, struct expr *lo, struct expr *hi,
                           int location, struct expr **ret)
{
    struct expr *l, *h;
    TRY(sql__call(a, ">=", (struct expr *[]){x, lo}, 2, location, &l));
    TRY(sql__call(a, "<=", (struct expr *[]){x, hi}, 2, location, &h));
    *ret = pair(a, EXPR_AND, l, h);
    return NULL;
}

static struct error *literal_between(struct analysis *a, struct scope *s, const A_Expr *n,
                                     struct expr *lo, struct expr *hi, struct expr **ret)
{
    struct expr *parts[4], *x;
    bool symmetric = n->kind == AEXPR_BETWEEN_SYM || n->kind == AEXPR_NOT_BETWEEN_SYM;
    for (int i = 0; i < (symmetric ? 4 : 2); i++) {
        TRY(sql__expr(a, s, n->lexpr, &x));
        TRY(sql__call(a, i % 2 ? "<=" : ">=", (struct expr *[]){x, i == 0 || i == 3 ? lo : hi}, 2,
                      n->location, &parts[i]));
    }
    *ret = pair(a, EXPR_AND, parts[0], parts[1]);
    if (symmetric)
        *ret = pair(a, EXPR_OR, *ret, pair(a, EXPR_AND, parts[2], parts[3]));
    if (n->kind == AEXPR_NOT_BETWEEN || n->kind == AEXPR_NOT_BETWEEN_SYM)
        *ret = negate(a, *ret);
    return NULL;
}

static struct error *between_rows(struct analysis *a, struct scope *s, const A_Expr *n,
                                  struct expr **ret)
{
    struct expr *parts[4];
    bool symmetric = n->kind == AEXPR_BETWEEN_SYM || n->kind == AEXPR_NOT_BETWEEN_SYM;
    for (int i = 0; i < (symmetric ? 4 : 2); i++) {
        const Node *bound = list_nth((const List *)n->rexpr, i == 1 || i == 2);
        TRY(sql__row_compare(a, s, n->lexpr, bound, i % 2 ? "<=" : ">=", n->location, &parts[i]));
    }
    *ret = pair(a, EXPR_AND, parts[0], parts[1]);
    if (symmetric)
        *ret = pair(a, EXPR_OR, *ret, pair(a, EXPR_AND, parts[2], parts[3]));
    if (n->kind == AEXPR_NOT_BETWEEN || n->kind == AEXPR_NOT_BETWEEN_SYM)
        *ret = negate(a, *ret);
    return NULL;
}

static struct error *between(struct analysis *a, struct scope *s, const A_Expr *n,
                             struct expr **ret)
{
    struct expr *x, *lo, *hi, *other;
    const List *bounds = (const List *)n->rexpr;
    if (sql__is_row(a, s, n->lexpr) && sql__is_row(a, s, list_nth(bounds, 0)) &&
        sql__is_row(a, s, list_nth(bounds, 1)))
        return between_rows(a, s, n, ret);
    TRY(sql__expr(a, s, n->lexpr, &x));
    TRY(sql__expr(a, s, list_nth((const List *)n->rexpr, 0), &lo));
    TRY(sql__expr(a, s, list_nth((const List *)n->rexpr, 1), &hi));
    if (x->type == OID_UNKNOWN && lo->type != hi->type) {
        /* one literal in two comparisons, in each of another type */
        if (x->kind == EXPR_PARAM && a->lifted)
            return error_new(E_UNSUPPORTED, "this literal cannot be a parameter");
        if (x->kind == EXPR_CONST)
            return literal_between(a, s, n, lo, hi, ret);
        uint32_t type;
        TRY(sql__common_type(a, (struct expr *[]){x, lo, hi}, 3, "BETWEEN", &type));
        TRY(sql__coerce(a, x, type, -1, CAST_IMPLICIT, &x));
    }
    TRY(range(a, x, lo, hi, n->location, ret));
    if (n->kind == AEXPR_BETWEEN_SYM || n->kind == AEXPR_NOT_BETWEEN_SYM) {
        TRY(range(a, x, hi, lo, n->location, &other));
        *ret = pair(a, EXPR_OR, *ret, other);
    }
    if (n->kind == AEXPR_NOT_BETWEEN || n->kind == AEXPR_NOT_BETWEEN_SYM)
        *ret = negate(a, *ret);
    return NULL;
}

static struct error *any_array(struct analysis *a, struct scope *s, const A_Expr *n, const char *op,
                               struct expr **ret)
{
    struct expr *left, *right;
    TRY(sql__expr(a, s, n->lexpr, &left));
    TRY(sql__expr(a, s, n->rexpr, &right));
    return sql__array_any(a, left, right, op, n->kind == AEXPR_OP_ALL, n->location, ret);
}

static struct error *operator_node(struct analysis *a, struct scope *s, const Node *node,
                                   struct expr **ret)
{
    const A_Expr *n = (const A_Expr *)node;
    const char *op = strVal(llast(n->name));
    const char *schema = list_length(n->name) > 1 ? strVal(linitial(n->name)) : "pg_catalog";
    if (strcmp(schema, "pg_catalog") != 0)
        return sql__at(a, error_new("3F000", "schema \"%s\" does not exist", schema), n->location);
    switch (n->kind) {
    case AEXPR_OP:
    case AEXPR_LIKE:
    case AEXPR_ILIKE:
    case AEXPR_SIMILAR: /* the parser made ~ and similar_to_escape() of it */
        return plain_operator(a, s, n, op, ret);
    case AEXPR_DISTINCT:
    case AEXPR_NOT_DISTINCT:
        return distinct_from(a, s, n, ret);
    case AEXPR_NULLIF:
        return nullif(a, s, n, ret);
    case AEXPR_IN:
        return in_list(a, s, n, (const List *)(const void *)n->rexpr, ret);
    case AEXPR_BETWEEN:
    case AEXPR_NOT_BETWEEN:
    case AEXPR_BETWEEN_SYM:
    case AEXPR_NOT_BETWEEN_SYM:
        return between(a, s, n, ret);
    case AEXPR_OP_ANY:
    case AEXPR_OP_ALL:
        if (is_list_of_values(n)) /* = ANY (ARRAY[..]) is IN, <> ALL (ARRAY[..]) is NOT IN */
            return in_list(a, s, n, ((const A_ArrayExpr *)(const void *)n->rexpr)->elements, ret);
        return any_array(a, s, n, op, ret);
    }
    return sql__unsupported(a, n->location, "Use another operator.", "unsupported expression");
}

/* ---- logic
 * --------------------------------------------------------------------------------------------------
 */

static struct error *bool_node(struct analysis *a, struct scope *s, const Node *node,
                               struct expr **ret)
{
    const BoolExpr *n = (const BoolExpr *)node;
    const char *what = n->boolop == AND_EXPR ? "AND" : n->boolop == OR_EXPR ? "OR" : "NOT";
    enum expr_kind kind = n->boolop == AND_EXPR  ? EXPR_AND
                          : n->boolop == OR_EXPR ? EXPR_OR
                                                 : EXPR_NOT;
    struct list flat = {0};
    for (int i = 0; i < list_length(n->args); i++) {
        struct expr *e;
        TRY(sql__expr(a, s, list_nth(n->args, i), &e));
        TRY(sql__boolean(a, e, what, &e));
        if (e->kind != kind || kind == EXPR_NOT) {
            sql__push(a->arena, &flat, e);
            continue;
        }
        for (int k = 0; k < e->n_args; k++)
            sql__push(a->arena, &flat, e->args[k]);
    }
    *ret = sql__new_expr(a, kind, OID_BOOL, n->location, flat.n);
    memcpy((*ret)->args, flat.items, sizeof(void *) * (size_t)flat.n);
    return NULL;
}

static struct error *is_node(struct analysis *a, struct expr *arg, enum is_test test, int location,
                             struct expr **ret)
{
    *ret = sql__new_expr(a, EXPR_IS, OID_BOOL, location, 1);
    (*ret)->args[0] = arg;
    (*ret)->test = test;
    return NULL;
}

static struct error *null_test(struct analysis *a, struct scope *s, const Node *node,
                               struct expr **ret)
{
    const NullTest *n = (const NullTest *)node;
    struct expr *e;
    if (sql__is_row(a, s, (const Node *)n->arg))
        return sql__row_null_test(a, s, (const Node *)n->arg, n->nulltesttype == PG_IS_NULL,
                                  n->location, ret);
    TRY(sql__expr(a, s, (const Node *)n->arg, &e));
    if (e->kind != EXPR_PARAM) /* whose type this says nothing about */
        sql__default_unknown(a, &e);
    if (sql__is_row_type(e->type))
        return sql__value_null_test(a, e, n->nulltesttype == PG_IS_NULL, n->location, ret);
    return is_node(a, e, n->nulltesttype == PG_IS_NULL ? IS_NULL : IS_NOT_NULL, n->location, ret);
}

static struct error *boolean_test(struct analysis *a, struct scope *s, const Node *node,
                                  struct expr **ret)
{
    static const enum is_test tests[] = {
        [PG_IS_TRUE] = IS_TRUE,       [PG_IS_NOT_TRUE] = IS_NOT_TRUE,
        [PG_IS_FALSE] = IS_FALSE,     [PG_IS_NOT_FALSE] = IS_NOT_FALSE,
        [PG_IS_UNKNOWN] = IS_UNKNOWN, [PG_IS_NOT_UNKNOWN] = IS_NOT_UNKNOWN,
    };
    static const char *const names[] = {
        [IS_TRUE] = "IS TRUE",       [IS_NOT_TRUE] = "IS NOT TRUE",
        [IS_FALSE] = "IS FALSE",     [IS_NOT_FALSE] = "IS NOT FALSE",
        [IS_UNKNOWN] = "IS UNKNOWN", [IS_NOT_UNKNOWN] = "IS NOT UNKNOWN",
    };
    const BooleanTest *n = (const BooleanTest *)node;
    enum is_test test = tests[n->booltesttype];
    struct expr *e;
    TRY(sql__expr(a, s, (const Node *)n->arg, &e));
    TRY(sql__boolean(a, e, names[test], &e));
    return is_node(a, e, test, n->location, ret);
}

/* ---- CASE and its like
 * ---------------------------------------------------------------------------------------- */

static struct error *case_node(struct analysis *a, struct scope *s, const Node *node,
                               struct expr **ret)
{
    const CaseExpr *n = (const CaseExpr *)node;
    const char *outer = s ? s->no_sets : NULL;
    int whens = list_length(n->args);
    if (s)
        s->no_sets = "CASE";
    struct expr *test = NULL,
                *e = sql__new_expr(a, EXPR_CASE, OID_UNKNOWN, n->location, 2 * whens + 1);
    struct expr **results = ARENA_ARRAY(a->arena, struct expr *, whens + 1);
    if (n->arg) {
        TRY(sql__expr(a, s, (const Node *)n->arg, &test));
        sql__default_unknown(a, &test);
    }
    if (n->defresult)
        TRY(sql__expr(a, s, (const Node *)n->defresult, &results[0]));
    else
        results[0] = sql__const_null(a, OID_UNKNOWN, -1);
    for (int i = 0; i < whens; i++) {
        const CaseWhen *w = list_nth(n->args, i);
        struct expr **condition = &e->args[2 * i];
        TRY(sql__expr(a, s, (const Node *)w->expr, condition));
        if (test)
            TRY(sql__call(a, "=", (struct expr *[]){test, *condition}, 2, w->location, condition));
        TRY(sql__boolean(a, *condition, "CASE/WHEN", condition));
        TRY(sql__expr(a, s, (const Node *)w->result, &results[i + 1]));
    }
    if (s)
        s->no_sets = outer;
    TRY(sql__common_type(a, results, whens + 1, "CASE", &e->type));
    e->domain = sql__common_domain(results, whens + 1);
    for (int i = 0; i <= whens; i++)
        TRY(sql__coerce(a, results[i], e->type, -1, CAST_IMPLICIT, &results[i]));
    for (int i = 0; i < whens; i++)
        e->args[2 * i + 1] = results[i + 1];
    e->args[2 * whens] = results[0];
    e->typmod = sql__common_typmod(results, whens + 1, e->type);
    sql__simplify_choice(a, e);
    *ret = e;
    return NULL;
}

static struct error *same_type_list(struct analysis *a, struct scope *s, const List *list,
                                    enum expr_kind kind, const char *what, int location,
                                    struct expr **ret)
{
    int n = list_length(list);
    struct expr *e = sql__new_expr(a, kind, OID_UNKNOWN, location, n);
    for (int i = 0; i < n; i++)
        TRY(sql__expr(a, s, list_nth(list, i), &e->args[i]));
    TRY(sql__common_type(a, e->args, n, what, &e->type));
    e->domain = sql__common_domain(e->args, n);
    for (int i = 0; i < n; i++)
        TRY(sql__coerce(a, e->args[i], e->type, -1, CAST_IMPLICIT, &e->args[i]));
    e->typmod = sql__common_typmod(e->args, n, e->type);
    *ret = e;
    return NULL;
}

static struct error *coalesce(struct analysis *a, struct scope *s, const Node *node,
                              struct expr **ret)
{
    const CoalesceExpr *n = (const CoalesceExpr *)node;
    const char *outer = s ? s->no_sets : NULL;
    if (s)
        s->no_sets = "COALESCE";
    TRY(same_type_list(a, s, n->args, EXPR_COALESCE, "COALESCE", n->location, ret));
    if (s)
        s->no_sets = outer;
    sql__simplify_choice(a, *ret);
    return NULL;
}

static struct error *min_max(struct analysis *a, struct scope *s, const Node *node,
                             struct expr **ret)
{
    const MinMaxExpr *n = (const MinMaxExpr *)node;
    bool greatest = n->op == IS_GREATEST;
    TRY(same_type_list(a, s, n->args, greatest ? EXPR_GREATEST : EXPR_LEAST,
                       greatest ? "GREATEST" : "LEAST", n->location, ret));
    return sql__compares(a, (*ret)->type, false, true);
}

/* ---- the rest
 * ---------------------------------------------------------------------------------------------------
 */

/* What is kept in a region's file would not follow ALTER DOMAIN. */
static bool forbids_domain(enum clause c)
{
    return c == CLAUSE_CHECK || c == CLAUSE_INDEX_PREDICATE || c == CLAUSE_INDEX_EXPRESSION ||
           c == CLAUSE_GENERATED;
}

static struct error *type_cast(struct analysis *a, struct scope *s, const Node *node,
                               struct expr **ret)
{
    const TypeCast *n = (const TypeCast *)node;
    const struct type *t;
    int32_t typmod;
    uint32_t domain;
    TRY(sql__type_name(a, n->typeName, &t, &typmod, &domain));
    int32_t strict = n->typeName->typemod; /* from json.c; the parser's is -1 */
    if (domain && s && forbids_domain(s->clause))
        return sql__unsupported(a, n->location, "Use the type beneath it.",
                                "a domain in a CHECK, an index or a generated column is not "
                                "supported");
    if (IsA(n->arg, A_ArrayExpr) && t->element)
        TRY(sql__array_expr(a, s, (const A_ArrayExpr *)(const void *)n->arg, t->oid, typmod, ret));
    else
        TRY(sql__expr(a, s, n->arg, ret));
    int location = n->location;
    sql__param_domain(a, *ret, domain);
    struct error *e = (*ret)->domain && (*ret)->domain == domain
                          ? NULL
                          : sql__coerce(a, *ret, t->oid, typmod, CAST_EXPLICIT, ret);
    if (!e && strict >= 0)
        e = sql__coerce(a, *ret, t->oid, strict, CAST_ASSIGNMENT, ret);
    if (!e)
        e = sql__to_domain(a, *ret, domain, ret);
    if (error_is(e, "42846"))
        e->position = 0;
    return sql__at(a, e, location);
}

struct error *sql__check_collation(const struct analysis *a, const CollateClause *n,
                                   const struct type *type)
{
    const char *name = strVal(llast(n->collname)), *schema = strVal(linitial(n->collname));
    const struct type *element = type->element ? type_by_oid(type->element) : type;
    if (element->category != 'S')
        return sql__at(a,
                       error_new(E_TYPE_MISMATCH, "collations are not supported by type %s",
                                 sql__type(a, type->oid)),
                       n->location);
    if (list_length(n->collname) > 1 && strcmp(schema, "pg_catalog") != 0)
        return sql__at(a, error_new("3F000", "schema \"%s\" does not exist", schema), n->location);
    if (strcmp(name, "C") != 0 && strcmp(name, "POSIX") != 0 && strcmp(name, "default") != 0 &&
        strcmp(name, "ucs_basic") != 0)
        return sql__unsupported(a, n->location,
                                "All text is compared by its bytes, as in collation \"C\".",
                                "collation \"%s\" is not supported", name);
    return NULL;
}

static struct error *collate(struct analysis *a, struct scope *s, const Node *node,
                             struct expr **ret)
{
    const CollateClause *n = (const CollateClause *)node;
    TRY(sql__expr(a, s, n->arg, ret));
    sql__default_unknown(a, ret);
    const struct type *type = type_by_oid((*ret)->type ? (*ret)->type : OID_TEXT);
    return sql__check_collation(a, n, type);
}

static struct error *sql_value(struct analysis *a, struct scope *s, const Node *node,
                               struct expr **ret)
{
    (void)s;
    const SQLValueFunction *n = (const SQLValueFunction *)node;
    struct expr *now;
    uint32_t to;
    switch (n->op) {
    case SVFOP_CURRENT_USER:
    case SVFOP_USER:
    case SVFOP_SESSION_USER:
    case SVFOP_CURRENT_ROLE:
        *ret = sql__hidden(a, HIDDEN_USER, OID_NAME);
        return NULL;
    case SVFOP_CURRENT_CATALOG:
        *ret = sql__const(
            a, OID_NAME,
            (struct value){.kind = VALUE_TEXT, .s = {a->path->database, strlen(a->path->database)}},
            n->location);
        return NULL;
    case SVFOP_CURRENT_SCHEMA:
        *ret = sql__current_schema_expr(a, n->location);
        return NULL;
    case SVFOP_CURRENT_TIMESTAMP:
    case SVFOP_CURRENT_TIMESTAMP_N:
        to = OID_TIMESTAMPTZ;
        break;
    case SVFOP_LOCALTIMESTAMP:
    case SVFOP_LOCALTIMESTAMP_N:
        to = OID_TIMESTAMP;
        break;
    case SVFOP_CURRENT_DATE:
        to = OID_DATE;
        break;
    case SVFOP_CURRENT_TIME:
    case SVFOP_CURRENT_TIME_N:
        to = OID_TIMETZ;
        break;
    default:
        to = OID_TIME;
        break;
    }
    now = sql__hidden(a, HIDDEN_NOW, OID_TIMESTAMPTZ);
    now->position = n->location + 1;
    return sql__coerce(a, now, to, MIN(n->typmod, 6), CAST_EXPLICIT, ret);
}

static struct error *func_call(struct analysis *a, struct scope *s, const Node *n,
                               struct expr **ret)
{
    return sql__func_call(a, s, (const FuncCall *)n, ret);
}

static struct error *grouping(struct analysis *a, struct scope *s, const Node *n, struct expr **ret)
{
    return sql__grouping(a, s, (const GroupingFunc *)n, ret);
}

static struct error *row_value(struct analysis *a, struct scope *s, const Node *n,
                               struct expr **ret)
{
    return sql__row_value(a, s, n, ret);
}

static List *part_of(struct analysis *a, const List *all, int at, int n)
{
    List *l = arena_alloc(a->arena, sizeof(List));
    *l = (List){.type = T_List, .length = n, .max_length = n, .elements = all->elements + at};
    return l;
}

List *sql__list_from(struct analysis *a, const List *all, int at)
{
    return part_of(a, all, at, list_length(all) - at);
}

List *sql__subscripts(struct analysis *a, const List *all, int at)
{
    int n = 0;
    while (at + n < list_length(all) && IsA(list_nth(all, at + n), A_Indices))
        n++;
    return part_of(a, all, at, n);
}

/* ((t).x)[1].y: fields of rows, subscripts of arrays */
struct error *sql__indirection(struct analysis *a, struct scope *s, const Node *arg,
                               const List *all, int n, int location, struct expr **ret)
{
    struct expr *e = NULL;
    int done = 0;
    if (n > 0 && IsA(linitial(all), String) && sql__has_fields(a, s, arg)) {
        TRY(sql__row_field(a, s, arg, strVal(linitial(all)), location, &e));
        done = 1;
    } else {
        TRY(sql__expr(a, s, arg, &e));
    }
    while (done < n) {
        const Node *next = list_nth(all, done);
        if (IsA(next, A_Indices)) {
            List *part = sql__subscripts(a, all, done);
            TRY(e->type == OID_JSONB ? sql__json_subscripts(a, s, e, part, &e)
                                     : sql__subscript(a, s, e, part, &e));
            done += list_length(part);
        } else if (IsA(next, String)) {
            TRY(sql__value_field(a, e, strVal(next), location, &e));
            done++;
        } else {
            return sql__at(a, error_new(E_SYNTAX, "row expansion via \"*\" is not supported here"),
                           location);
        }
    }
    *ret = e;
    return NULL;
}

static struct error *indirection(struct analysis *a, struct scope *s, const Node *node,
                                 struct expr **ret)
{
    const A_Indirection *n = (const A_Indirection *)node;
    return sql__indirection(a, s, n->arg, n->indirection, list_length(n->indirection),
                            sql__location(node), ret);
}

static struct error *array_expr(struct analysis *a, struct scope *s, const Node *n,
                                struct expr **ret)
{
    return sql__array_expr(a, s, (const A_ArrayExpr *)(const void *)n, 0, -1, ret);
}

static struct error *sublink(struct analysis *a, struct scope *s, const Node *n, struct expr **ret)
{
    return sql__sublink(a, s, (const SubLink *)n, ret);
}

static struct error *unsupported(struct analysis *a, const Node *n)
{
    int at = sql__location(n);
    switch (nodeTag(n)) {
    case T_SetToDefault:
        return sql__at(a, error_new(E_SYNTAX, "DEFAULT is not allowed in this context"), at);
    case T_CurrentOfExpr:
        return sql__unsupported(a, at, "Name the row by its key.",
                                "WHERE CURRENT OF is not supported");
    case T_XmlExpr:
    case T_XmlSerialize:
        return sql__unsupported(a, at, "Use text.", "XML is not supported");
    default:
        return sql__unsupported(a, at, "Write it with other operators or functions.",
                                "this kind of expression is not supported");
    }
}

typedef struct error *expr_func(struct analysis *a, struct scope *s, const Node *n,
                                struct expr **ret);

static expr_func *handler(NodeTag tag)
{
    switch (tag) {
    case T_ColumnRef:
        return column_ref;
    case T_A_Const:
        return constant;
    case T_ParamRef:
        return param_ref;
    case T_A_Expr:
        return operator_node;
    case T_BoolExpr:
        return bool_node;
    case T_FuncCall:
        return func_call;
    case T_TypeCast:
        return type_cast;
    case T_CaseExpr:
        return case_node;
    case T_SubLink:
        return sublink;
    case T_NullTest:
        return null_test;
    case T_BooleanTest:
        return boolean_test;
    case T_CoalesceExpr:
        return coalesce;
    case T_MinMaxExpr:
        return min_max;
    case T_SQLValueFunction:
        return sql_value;
    case T_CollateClause:
        return collate;
    case T_GroupingFunc:
        return grouping;
    case T_RowExpr:
        return row_value;
    case T_A_ArrayExpr:
        return array_expr;
    case T_A_Indirection:
        return indirection;
    default:
        return NULL;
    }
}

struct error *sql__expr(struct analysis *a, struct scope *s, const Node *n, struct expr **ret)
{
    expr_func *f = handler(nodeTag(n));
    if (!f)
        return unsupported(a, n);
    TRY(sql__enter(a, -1));
    TRY(f(a, s, n, ret));
    sql__leave(a);
    return NULL;
}

/* ---- names and places
 * ---------------------------------------------------------------------------------------------- */

/* One step to the left: the node's own place, and the node that may begin before it. */
static int own_location(const Node *n, const Node **ret_left)
{
    switch (nodeTag(n)) {
    case T_ColumnRef:
        return ((const ColumnRef *)n)->location;
    case T_A_Const:
        return ((const A_Const *)n)->location;
    case T_ParamRef:
        return ((const ParamRef *)n)->location;
    case T_A_Expr:
        *ret_left = ((const A_Expr *)n)->lexpr;
        return ((const A_Expr *)n)->location;
    case T_FuncCall:
        return ((const FuncCall *)n)->location;
    case T_TypeCast:
        *ret_left = ((const TypeCast *)n)->arg;
        return ((const TypeCast *)n)->location;
    case T_SubLink:
        *ret_left = ((const SubLink *)n)->testexpr;
        return ((const SubLink *)n)->location;
    case T_RowExpr:
        return ((const RowExpr *)n)->location;
    case T_A_ArrayExpr:
        return ((const A_ArrayExpr *)n)->location;
    case T_A_Indirection:
        *ret_left = ((const A_Indirection *)n)->arg;
        return -1;
    case T_CaseExpr:
        return ((const CaseExpr *)n)->location;
    case T_CoalesceExpr:
        return ((const CoalesceExpr *)n)->location;
    case T_MinMaxExpr:
        return ((const MinMaxExpr *)n)->location;
    case T_NullTest:
        *ret_left = (const Node *)((const NullTest *)n)->arg;
        return ((const NullTest *)n)->location;
    case T_BooleanTest:
        *ret_left = (const Node *)((const BooleanTest *)n)->arg;
        return ((const BooleanTest *)n)->location;
    case T_BoolExpr:
        *ret_left = linitial(((const BoolExpr *)n)->args);
        return ((const BoolExpr *)n)->location;
    case T_SetToDefault:
        return ((const SetToDefault *)n)->location;
    case T_GroupingFunc:
        return ((const GroupingFunc *)n)->location;
    case T_GroupingSet:
        return ((const GroupingSet *)n)->location;
    case T_RangeVar:
        return ((const RangeVar *)n)->location;
    case T_ResTarget:
        return ((const ResTarget *)n)->location;
    case T_RangeSubselect:
        *ret_left = ((const RangeSubselect *)n)->subquery;
        return -1;
    case T_SelectStmt: {
        const SelectStmt *s = (const SelectStmt *)n;
        *ret_left = s->larg          ? (const Node *)s->larg
                    : s->targetList  ? linitial(s->targetList)
                    : s->valuesLists ? linitial((const List *)linitial(s->valuesLists))
                                     : NULL;
        return -1;
    }
    default:
        return -1;
    }
}

int sql__location(const Node *n)
{
    int leftmost = -1;
    while (n) { /* not a recursion: this is called for trees of any depth */
        const Node *left = NULL;
        int at = own_location(n, &left);
        if (at >= 0 && (leftmost < 0 || at < leftmost))
            leftmost = at;
        n = left;
    }
    return leftmost;
}

/* PostgreSQL's FigureColname. Strength 1: only a type's name, gives way to what it casts. */
static int figure_name(const Node *n, const char **ret)
{
    if (!n)
        return 0;
    switch (nodeTag(n)) {
    case T_ColumnRef: {
        const List *fields = ((const ColumnRef *)n)->fields;
        const Node *last = list_nth(fields, list_length(fields) - 1);
        if (!IsA(last, String) && list_length(fields) > 1) /* t.* */
            last = list_nth(fields, list_length(fields) - 2);
        if (!IsA(last, String))
            return 0;
        *ret = strVal(last);
        return 2;
    }
    case T_A_Expr:
        if (((const A_Expr *)n)->kind != AEXPR_NULLIF)
            return 0;
        *ret = "nullif";
        return 2;
    case T_FuncCall:
        *ret = strVal(llast(((const FuncCall *)n)->funcname));
        return 2;
    case T_TypeCast: {
        int strength = figure_name(((const TypeCast *)n)->arg, ret);
        if (strength <= 1) {
            *ret = strVal(llast(((const TypeCast *)n)->typeName->names));
            return 1;
        }
        return strength;
    }
    case T_CollateClause:
        return figure_name(((const CollateClause *)n)->arg, ret);
    case T_GroupingFunc:
        *ret = "grouping";
        return 2;
    case T_RowExpr:
        *ret = "row";
        return 2;
    case T_A_Indirection: {
        const List *all = ((const A_Indirection *)n)->indirection;
        for (int i = list_length(all) - 1; i >= 0; i--) {
            if (!IsA(list_nth(all, i), String))
                continue;
            *ret = strVal(list_nth(all, i));
            return 2;
        }
        return figure_name(((const A_Indirection *)n)->arg, ret);
    }
    case T_CaseExpr: {
        int strength = figure_name((const Node *)((const CaseExpr *)n)->defresult, ret);
        if (strength <= 1)
            *ret = "case";
        return MAX(strength, 1);
    }
    case T_A_ArrayExpr:
        *ret = "array";
        return 2;
    case T_CoalesceExpr:
        *ret = "coalesce";
        return 2;
    case T_MinMaxExpr:
        *ret = ((const MinMaxExpr *)n)->op == IS_GREATEST ? "greatest" : "least";
        return 2;
    case T_SubLink: {
        const SubLink *l = (const SubLink *)n;
        if (l->subLinkType == EXISTS_SUBLINK) {
            *ret = "exists";
            return 2;
        }
        if (l->subLinkType == ARRAY_SUBLINK) {
            *ret = "array";
            return 2;
        }
        const SelectStmt *s = (const SelectStmt *)l->subselect;
        while (s->larg)
            s = s->larg;
        if (l->subLinkType == EXPR_SUBLINK && s->valuesLists) {
            *ret = "column1";
            return 2;
        }
        if (l->subLinkType != EXPR_SUBLINK || !s->targetList)
            return 0;
        const ResTarget *t = linitial(s->targetList);
        *ret = t->name ? t->name : "?column?";
        if (!t->name)
            figure_name(t->val, ret);
        return 2;
    }
    case T_SQLValueFunction: {
        static const char *const names[] = {
            "current_date",      "current_time",    "current_time",   "current_timestamp",
            "current_timestamp", "localtime",       "localtime",      "localtimestamp",
            "localtimestamp",    "current_role",    "current_user",   "user",
            "session_user",      "current_catalog", "current_schema",
        };
        *ret = names[((const SQLValueFunction *)n)->op];
        return 2;
    }
    default:
        return 0;
    }
}

const char *sql__column_name(const Node *n)
{
    const char *name = "?column?";
    figure_name(n, &name);
    return name;
}
