/*
 * Expressions of the batch executor: the same functions as everywhere (types/), called directly.
 *
 * plan/ lets through only what is covered here (plan__evaluable). A compiled node has its
 * constants, parameters and column places looked up; evaluation walks it for one tuple or one
 * group.
 */
#include "exec/batch_int.h"

/* ---- compiling ------------------------------------------------------------------------------ */

/* PostgreSQL's functions over any type, and those that see the blanks of char(n), get text: sql.h,
 * "How a call is made". */
static const struct func *output_of(const struct expr *call, int i)
{
    bool more;
    uint32_t type = call->args[i]->type;
    return func_takes_text(call->call.func, i, call->n_args, type) ? type_output_func(type, &more)
                                                                   : NULL;
}

static bool find_group(const struct plan_batch *b, const struct expr *e, struct node *n)
{
    for (int i = 0; i < b->n_group; i++)
        if (expr_equal(b->group[i], e)) {
            n->kind = NODE_KEY;
            n->column = i;
            return true;
        }
    for (int i = 0; i < b->n_aggs; i++)
        if (b->aggs[i] == e || expr_equal(b->aggs[i], e)) {
            n->kind = NODE_AGG;
            n->column = i;
            return true;
        }
    return false;
}

struct node *exec__compile(const struct plan_batch *b, const struct run *r, struct arena *a,
                           const struct expr *e, bool grouped)
{
    struct node *n = ARENA_NEW(a, struct node);
    n->expr = e;
    if (grouped && find_group(b, e, n))
        return n;
    if (e->kind == EXPR_CONST || e->kind == EXPR_PARAM) {
        n->kind = NODE_VALUE;
        n->value = e->kind == EXPR_CONST ? e->value : r->params[e->param - 1];
        return n;
    }
    if (e->kind == EXPR_COLUMN) {
        const struct plan_slot *s = &b->slot[plan_batch_slot(b, e)];
        n->kind = NODE_COLUMN;
        n->scan = s->scan;
        n->column = s->column;
        return n;
    }
    if (e->kind == EXPR_SUBQUERY) {
        const struct plan_sub *s = plan_batch_sub(b, e);
        n->kind = s->once ? NODE_ONCE : NODE_COLUMN;
        n->scan = s->slot.scan;
        n->column = s->once ? (int)(s - b->subs) : s->slot.column;
        return n;
    }
    n->kind = NODE_EXPR;
    n->type = type_by_oid(e->type);
    n->n_args = e->n_args;
    n->args = ARENA_ARRAY(a, struct node *, MAX(e->n_args, 1));
    n->outputs = ARENA_ARRAY(a, const struct func *, MAX(e->n_args, 1));
    for (int i = 0; i < e->n_args; i++) {
        n->args[i] = exec__compile(b, r, a, e->args[i], grouped);
        if (e->kind == EXPR_FUNC || (e->kind == EXPR_CAST && e->call.func))
            n->outputs[i] = output_of(e, i);
    }
    return n;
}

/* ---- values --------------------------------------------------------------------------------- */

static const struct value null_value = {.kind = VALUE_NULL};

static struct value boolean(bool b)
{
    return (struct value){.kind = VALUE_INT, .i = b};
}

static bool is_null(const struct value *v)
{
    return v->kind == VALUE_NULL;
}

static bool is_true(const struct value *v)
{
    return v->kind == VALUE_INT && v->i != 0;
}

static struct error *call_func(struct env *v, const struct func *f, const struct value *args, int n,
                               struct value *ret)
{
    *ret = null_value; /* a function leaves that where it gives NULL */
    for (int i = 0; f->strict && i < n; i++)
        if (is_null(&args[i]))
            return NULL;
    return f->call(args, n, &v->arena, ret);
}

static struct error *equal(struct env *v, const struct func *f, const struct value *a,
                           const struct value *b, struct value *ret)
{
    const struct value args[2] = {*a, *b};
    return call_func(v, f, args, 2, ret);
}

/* ---- kinds ---------------------------------------------------------------------------------- */

static struct error *eval_call(struct env *v, const struct node *n, struct value *ret)
{
    const struct func *f = n->expr->call.func;
    struct value few[8], *args = few;
    if (!f)
        return exec__eval(v, n->args[0], ret);
    if (n->n_args > (int)ARRAY_LEN(few))
        args = ARENA_ARRAY(&v->arena, struct value, n->n_args);
    for (int i = 0; i < n->n_args; i++) {
        TRY(exec__eval(v, n->args[i], &args[i]));
        if (n->outputs[i] && !is_null(&args[i])) {
            const struct expr *arg = n->expr->args[i];
            bool more;
            type_output_func(arg->type, &more);
            const struct value form[2] = {
                args[i], {.kind = VALUE_INT, .i = type_output_arg(arg->type, arg->typmod)}};
            TRY(call_func(v, n->outputs[i], form, more ? 2 : 1, &args[i]));
        }
    }
    return call_func(v, f, args, n->n_args, ret);
}

/* AND stops at false, OR at true; else a NULL makes it NULL. */
static struct error *eval_logic(struct env *v, const struct node *n, bool stop_at,
                                struct value *ret)
{
    bool unknown = false;
    for (int i = 0; i < n->n_args; i++) {
        struct value x;
        TRY(exec__eval(v, n->args[i], &x));
        if (is_null(&x)) {
            unknown = true;
        } else if (is_true(&x) == stop_at) {
            *ret = boolean(stop_at);
            return NULL;
        }
    }
    *ret = unknown ? null_value : boolean(!stop_at);
    return NULL;
}

static struct error *eval_is(struct env *v, const struct node *n, struct value *ret)
{
    struct value x;
    TRY(exec__eval(v, n->args[0], &x));
    bool null = is_null(&x), yes = is_true(&x), answer = false;
    switch (n->expr->test) {
    case IS_NULL:
    case IS_UNKNOWN:
        answer = null;
        break;
    case IS_NOT_NULL:
    case IS_NOT_UNKNOWN:
        answer = !null;
        break;
    case IS_TRUE:
        answer = yes;
        break;
    case IS_NOT_TRUE:
        answer = !yes;
        break;
    case IS_FALSE:
        answer = !null && !yes;
        break;
    case IS_NOT_FALSE:
        answer = null || yes;
        break;
    }
    *ret = boolean(answer);
    return NULL;
}

static struct error *eval_distinct(struct env *v, const struct node *n, struct value *ret)
{
    struct value a, b, same;
    TRY(exec__eval(v, n->args[0], &a));
    TRY(exec__eval(v, n->args[1], &b));
    if (is_null(&a) || is_null(&b)) {
        *ret = boolean(is_null(&a) != is_null(&b));
        return NULL;
    }
    TRY(equal(v, n->expr->call.func, &a, &b, &same));
    *ret = boolean(!is_true(&same));
    return NULL;
}

static struct error *eval_case(struct env *v, const struct node *n, struct value *ret)
{
    for (int i = 0; i + 1 < n->n_args; i += 2) {
        struct value x;
        TRY(exec__eval(v, n->args[i], &x));
        if (is_true(&x))
            return exec__eval(v, n->args[i + 1], ret);
    }
    return exec__eval(v, n->args[n->n_args - 1], ret);
}

static struct error *eval_coalesce(struct env *v, const struct node *n, struct value *ret)
{
    *ret = null_value;
    for (int i = 0; i < n->n_args && is_null(ret); i++)
        TRY(exec__eval(v, n->args[i], ret));
    return NULL;
}

static struct error *eval_nullif(struct env *v, const struct node *n, struct value *ret)
{
    struct value a, b, same;
    TRY(exec__eval(v, n->args[0], &a));
    TRY(exec__eval(v, n->args[1], &b));
    TRY(equal(v, n->expr->call.func, &a, &b, &same));
    *ret = is_true(&same) ? null_value : a;
    return NULL;
}

static struct error *eval_extreme(struct env *v, const struct node *n, int sign, struct value *ret)
{
    *ret = null_value;
    for (int i = 0; i < n->n_args; i++) {
        struct value x;
        TRY(exec__eval(v, n->args[i], &x));
        if (!is_null(&x) && (is_null(ret) || sign * type_compare(n->type, &x, ret) > 0))
            *ret = x;
    }
    return NULL;
}

static struct error *eval_in(struct env *v, const struct node *n, struct value *ret)
{
    struct value a, b, same;
    bool unknown = false;
    TRY(exec__eval(v, n->args[0], &a));
    for (int i = 1; i < n->n_args; i++) {
        TRY(exec__eval(v, n->args[i], &b));
        TRY(equal(v, n->expr->call.func, &a, &b, &same));
        unknown = unknown || is_null(&same);
        if (is_true(&same)) {
            *ret = same;
            return NULL;
        }
    }
    *ret = unknown ? null_value : boolean(false);
    return NULL;
}

/* (a, b) < (c, d). The first pair that differs decides; a NULL before it leaves it open, except
 * that = and <> look on for a pair that differs. */
static struct error *eval_row(struct env *v, const struct node *n, struct value *ret)
{
    const char *op = n->expr->row.op;
    int pairs = n->expr->row.n, sign = 0;
    bool equality = strcmp(op, "=") == 0 || strcmp(op, "<>") == 0, unknown = false;
    for (int i = 0; i < pairs && sign == 0; i++) {
        struct value a, b;
        TRY(exec__eval(v, n->args[i], &a));
        TRY(exec__eval(v, n->args[pairs + i], &b));
        if (!is_null(&a) && !is_null(&b))
            sign = type_compare(type_by_oid(n->expr->args[i]->type), &a, &b);
        else if (equality)
            unknown = true;
        else
            return *ret = null_value, NULL;
    }
    if (sign == 0 && unknown)
        *ret = null_value;
    else if (equality)
        *ret = boolean((sign == 0) == (*op == '='));
    else
        *ret = boolean(sign == 0 ? op[1] == '=' : (sign < 0) == (*op == '<'));
    return NULL;
}

static struct error *eval_expr(struct env *v, const struct node *n, struct value *ret)
{
    switch (n->expr->kind) {
    case EXPR_FUNC:
    case EXPR_CAST:
        return eval_call(v, n, ret);
    case EXPR_AND:
        return eval_logic(v, n, false, ret);
    case EXPR_OR:
        return eval_logic(v, n, true, ret);
    case EXPR_NOT:
        TRY(exec__eval(v, n->args[0], ret));
        if (!is_null(ret))
            *ret = boolean(!is_true(ret));
        return NULL;
    case EXPR_IS:
        return eval_is(v, n, ret);
    case EXPR_DISTINCT:
        return eval_distinct(v, n, ret);
    case EXPR_CASE:
        return eval_case(v, n, ret);
    case EXPR_COALESCE:
        return eval_coalesce(v, n, ret);
    case EXPR_NULLIF:
        return eval_nullif(v, n, ret);
    case EXPR_GREATEST:
        return eval_extreme(v, n, 1, ret);
    case EXPR_LEAST:
        return eval_extreme(v, n, -1, ret);
    case EXPR_IN:
        return eval_in(v, n, ret);
    case EXPR_ROW_COMPARE:
        return eval_row(v, n, ret);
    default:
        return error_new(E_INTERNAL, "an expression that the batch executor does not know");
    }
}

struct error *exec__eval(struct env *v, const struct node *n, struct value *ret)
{
    uint32_t row;
    switch (n->kind) {
    case NODE_VALUE:
        *ret = n->value;
        return NULL;
    case NODE_COLUMN:
        row = v->idx[n->scan][v->t];
        *ret = row == NO_ROW ? null_value : vec_get(&v->sides[n->scan].col[n->column], row);
        return NULL;
    case NODE_KEY:
        *ret = vec_get(&v->keys->col[n->column], v->group);
        return NULL;
    case NODE_AGG:
        *ret = v->aggs[n->column];
        return NULL;
    case NODE_ONCE:
        *ret = v->once[n->column].value;
        return v->once[n->column].error ? error_copy(v->once[n->column].error) : NULL;
    case NODE_EXPR:
        break;
    }
    return eval_expr(v, n, ret);
}

struct error *exec__eval_true(struct env *v, const struct node *n, bool *ret)
{
    struct value x;
    TRY(exec__eval(v, n, &x));
    *ret = is_true(&x);
    return NULL;
}
