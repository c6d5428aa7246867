/*
 * What a statement computes of constants, done before it runs, as PostgreSQL's planner does:
 *
 * - a call of an immutable function with constants becomes its value;
 * - a strict one with a NULL among its arguments becomes NULL: the others are not looked at;
 * - where such a call fails, the whole statement does, whether a row would ever ask for it or not
 *   (SELECT 1 / 0 FROM t WHERE false), unless it stands behind a constant that leaves it out: CASE
 *   WHEN false, false AND .., coalesce(1, ..). The error comes when the statement runs, not when it
 *   is prepared or becomes a view.
 *
 * A literal that was lifted out of the text is a parameter here. Calls of such ones are computed
 * each time before the statement runs (sql_calls_matter()): when none fails, it does not matter who
 * asks for them. When one does or is NULL, or where a constant decides what else is computed (of
 * boolean ones any may), the statement has to be analysed with its literals in place
 * (query->literals_matter). What the client sends as a parameter is looked at by the rows alone.
 */
#include "sql_int.h"

enum { FOLDED_MAX = 4096 }; /* bytes of a value that a statement keeps */

/* ---- values ---------------------------------------------------------------------------------- */

void sql__fold_call(struct analysis *a, struct expr **e)
{
    if ((*e)->kind == EXPR_CONST) /* sql__simplify() was here */
        return;
    const struct func *f = (*e)->call.func;
    struct value *args = ARENA_ARRAY(a->arena, struct value, MAX((*e)->n_args, 1));
    struct value v = {.kind = VALUE_NULL};
    bool null = false;
    if (a->as_written || f->volatile_ || f->system || !f->call)
        return;
    for (int i = 0; i < (*e)->n_args; i++) {
        if ((*e)->args[i]->kind != EXPR_CONST)
            return;
        args[i] = (*e)->args[i]->value;
        null |= f->strict && args[i].kind == VALUE_NULL;
    }
    struct error *err = null ? NULL : f->call(args, (*e)->n_args, a->arena, &v);
    if (err) {
        error_free(err); /* it comes again when the statement runs */
        return;
    }
    struct expr *c = sql__const(a, (*e)->type, v, (*e)->position - 1);
    c->typmod = (*e)->typmod;
    c->args = (*e)->args;
    c->n_left_out = (*e)->n_args;
    *e = c;
}

static bool all_constant(const struct expr *e)
{
    for (int i = 0; i < e->n_args; i++)
        if (e->args[i]->kind != EXPR_CONST)
            return false;
    return true;
}

/* A call of an immutable function with constants, which code here can make. */
static bool can_call(const struct expr *e)
{
    const struct func *f = e->call.func;
    if (!f || !f->call || f->kind == FUNC_SET || f->guard || !all_constant(e) ||
        !sql__is_immutable(e))
        return false;
    for (int i = 0; i < e->n_args; i++)
        if (func_takes_text(f, i, e->n_args, e->args[i]->type))
            return false;
    return true;
}

static struct error *make_call(struct arena *arena, const struct expr *e, struct value *ret)
{
    struct value *args = ARENA_ARRAY(arena, struct value, MAX(e->n_args, 1));
    *ret = (struct value){.kind = VALUE_NULL};
    for (int i = 0; i < e->n_args; i++) {
        args[i] = e->args[i]->value;
        if (e->call.func->strict && args[i].kind == VALUE_NULL)
            return NULL;
    }
    return e->call.func->call(args, e->n_args, arena, ret);
}

static void become(struct expr *e, struct value v)
{
    e->kind = EXPR_CONST;
    e->value = v;
    e->n_left_out += e->n_args;
    e->n_args = 0;
}

/* .. that was lifted: not the time, the user and what else the session knows. */
static bool may_be_literal(const struct analysis *a, const struct expr *e)
{
    return e->kind == EXPR_PARAM && e->param > 0 && e->param <= a->n_params;
}

/* A call of constants that PostgreSQL makes a constant of before it looks at strictness, so that it
 * may fail. A parameter counts: it may stand for a literal. */
static bool is_constant_call(const struct analysis *a, const struct expr *e)
{
    static const enum expr_kind kinds[] = {EXPR_FUNC,     EXPR_CAST,  EXPR_CASE,  EXPR_COALESCE,
                                           EXPR_GREATEST, EXPR_LEAST, EXPR_NULLIF};
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        found |= e->kind == kinds[i];
    if (!found || !e->n_args || sql__is_stable_step(e))
        return false;
    if (e->kind == EXPR_FUNC && (e->call.func->kind == FUNC_SET || e->call.func->guard))
        return false;
    for (int i = 0; i < e->n_args; i++)
        if (e->args[i]->kind != EXPR_CONST && !may_be_literal(a, e->args[i]) &&
            !is_constant_call(a, e->args[i]))
            return false;
    return true;
}

/* Something may fail that has to be computed first. Of lifted literals it would be a constant. */
static bool waits(struct analysis *a, bool constant_call)
{
    a->q->literals_matter |= constant_call && a->ctx->lifted;
    return constant_call;
}

struct call_search {
    const struct analysis *a;
    bool found;
};

static bool find_constant_call(void *ctx, const struct expr *e)
{
    struct call_search *s = ctx;
    s->found |= is_constant_call(s->a, e);
    return !s->found;
}

static bool is_null(const struct expr *e)
{
    return e->kind == EXPR_CONST && e->value.kind == VALUE_NULL;
}

/* One of its arguments is NULL, and none can fail. Those that are an array to PostgreSQL are not.
 */
static bool is_null_call(struct analysis *a, const struct expr *e)
{
    const struct func *f = e->call.func;
    bool null = false;
    struct call_search calls = {.a = a};
    if (!f->strict || (f->kind != FUNC_SCALAR && f->kind != FUNC_OPERATOR))
        return false;
    for (int i = 0; i < e->n_args; i++)
        null |= is_null(e->args[i]) && (!f->variadic || i < f->nargs - 1);
    for (int i = 0; null && i < e->n_args; i++)
        expr_walk(e->args[i], false, find_constant_call, &calls);
    return null && !waits(a, calls.found);
}

void sql__simplify(struct analysis *a, struct expr *e)
{
    struct value v;
    if (is_null_call(a, e)) {
        become(e, (struct value){.kind = VALUE_NULL});
        return;
    }
    if (a->as_written || !can_call(e))
        return;
    struct error *err = make_call(a->arena, e, &v); /* sql__find_failure() will tell */
    bool large = !err && (v.kind == VALUE_TEXT || v.kind == VALUE_BLOB) && v.s.n > FOLDED_MAX;
    if (!err && !large)
        become(e, v);
    error_free(err);
}

void sql__simplify_nullif(struct analysis *a, struct expr *e)
{
    struct value same;
    if (a->as_written || e->domain || !can_call(e))
        return;
    struct error *err = make_call(a->arena, e, &same);
    if (!err && same.kind == VALUE_INT && same.i)
        become(e, (struct value){.kind = VALUE_NULL});
    else if (!err)
        become(e, e->args[0]->value);
    error_free(err);
}

/* NULL IN (..) is NULL. What has no columns is an array to PostgreSQL, which it computes. */
void sql__simplify_in(struct analysis *a, struct expr *e)
{
    if (a->as_written || e->args[0]->kind != EXPR_CONST || e->args[0]->value.kind != VALUE_NULL ||
        !e->call.func->strict)
        return;
    for (int i = 1; i < e->n_args; i++)
        if (waits(a, is_constant_call(a, e->args[i])))
            return;
    become(e, (struct value){.kind = VALUE_NULL});
}

/* ---- conditions ------------------------------------------------------------------------------ */

enum outcome { NEVER, ALWAYS, SOMETIMES };

/* x = NULL is NULL: x IN (..) of nothing but that is never true, x NOT IN (.., NULL) neither. */
static enum outcome outcome_in(const struct expr *e, bool negated)
{
    int nulls = 0;
    for (int i = 1; i < e->n_args; i++)
        nulls += is_null(e->args[i]);
    return e->call.func->strict && nulls >= (negated ? 1 : e->n_args - 1) ? NEVER : SOMETIMES;
}

/* Whether a condition, or its opposite, is true for some row. NULL is as good as false, below NOT,
 * too, which could be pushed down to it. */
static enum outcome outcome(const struct expr *e, bool negated)
{
    if (is_null(e))
        return NEVER;
    if (e->kind == EXPR_CONST && e->value.kind == VALUE_INT)
        return (e->value.i != 0) != negated ? ALWAYS : NEVER;
    if (e->kind == EXPR_NOT)
        return outcome(e->args[0], !negated);
    if (e->kind == EXPR_IN)
        return outcome_in(e, negated);
    if (e->kind != EXPR_AND && e->kind != EXPR_OR)
        return SOMETIMES;
    enum outcome decides = (e->kind == EXPR_AND) != negated ? NEVER : ALWAYS;
    enum outcome ret = decides == NEVER ? ALWAYS : NEVER;
    for (int i = 0; i < e->n_args; i++) {
        enum outcome one = outcome(e->args[i], negated);
        if (one == decides)
            return decides;
        ret = one == SOMETIMES ? SOMETIMES : ret;
    }
    return ret;
}

static bool is_never_true(struct analysis *a, const struct expr *e)
{
    struct call_search s = {.a = a};
    if (outcome(e, false) != NEVER)
        return false;
    expr_walk(e, true, find_constant_call, &s);
    return !waits(a, s.found);
}

/* It is false, or what is never true has gone from its alternatives. */
static struct expr *simplify_condition(struct analysis *a, struct expr *e)
{
    if (a->as_written || e->kind == EXPR_CONST)
        return e;
    if (is_never_true(a, e))
        return sql__const(a, OID_BOOL, (struct value){.kind = VALUE_INT, .i = 0}, e->position - 1);
    if (e->kind != EXPR_OR && e->kind != EXPR_AND)
        return e;
    int n = 0;
    for (int i = 0; i < e->n_args; i++)
        if (e->kind == EXPR_AND || !is_never_true(a, e->args[i]))
            e->args[n++] = simplify_condition(a, e->args[i]);
    e->n_args = n;
    return n == 1 ? e->args[0] : e;
}

struct expr *sql__simplify_condition(struct analysis *a, struct expr *e)
{
    struct expr *ret = simplify_condition(a, e);
    sql__order_conditions(a, ret);
    return ret;
}

/* ---- reduced copies ---------------------------------------------------------------------------
 */

static bool is_bool(const struct expr *e, bool value)
{
    return e->kind == EXPR_CONST && e->value.kind == VALUE_INT && e->value.i == value;
}

static bool is_never(const struct expr *e)
{
    return is_bool(e, false) || is_null(e);
}

static void become_bool(struct expr *e, bool b)
{
    become(e, (struct value){.kind = VALUE_INT, .i = b});
}

static void reduce_logic(struct expr *e)
{
    bool null = false, all = true;
    for (int i = 0; i < e->n_args; i++) {
        if (is_bool(e->args[i], e->kind == EXPR_OR)) {
            become_bool(e, e->kind == EXPR_OR);
            return;
        }
        null |= is_null(e->args[i]);
        all &= e->args[i]->kind == EXPR_CONST;
    }
    if (all && null)
        become(e, (struct value){.kind = VALUE_NULL});
    else if (all)
        become_bool(e, e->kind == EXPR_AND);
}

/* IS NULL of a row is about its fields, and is left. */
static void reduce_is(struct expr *e)
{
    const struct expr *x = e->args[0];
    const struct type *t = type_by_oid(x->type);
    if (x->kind != EXPR_CONST || !t || x->type == OID_RECORD || t->category == 'C')
        return;
    bool null = is_null(x), set = !null && x->value.kind == VALUE_INT && x->value.i != 0;
    const bool is[] = {
        [IS_NULL] = null,     [IS_NOT_NULL] = !null,      [IS_TRUE] = set,
        [IS_NOT_TRUE] = !set, [IS_FALSE] = !null && !set, [IS_NOT_FALSE] = null || set,
        [IS_UNKNOWN] = null,  [IS_NOT_UNKNOWN] = !null,
    };
    become_bool(e, is[e->test]);
}

struct parts {
    struct expr **kept, **left_out;
    int n_kept, n_left_out;
};

static void part(struct parts *p, bool keep, struct expr *e)
{
    if (keep)
        p->kept[p->n_kept++] = e;
    else
        p->left_out[p->n_left_out++] = e;
}

/* Conditions that are never true go with their results, and all that is behind one which always is.
 */
static void part_case(const struct expr *e, struct parts *p)
{
    int i = 0;
    for (; i + 1 < e->n_args && !is_bool(e->args[i], true); i += 2) {
        bool keep = !is_never(e->args[i]);
        part(p, keep, e->args[i]);
        part(p, keep, e->args[i + 1]);
    }
    if (i + 1 < e->n_args)
        part(p, false, e->args[i++]);
    part(p, true, e->args[i++]);
    while (i < e->n_args)
        part(p, false, e->args[i++]);
}

static void part_coalesce(const struct expr *e, struct parts *p)
{
    bool decided = false;
    for (int i = 0; i < e->n_args; i++) {
        bool all_null = p->n_kept == 0 && i + 1 == e->n_args;
        part(p, all_null || (!decided && !is_null(e->args[i])), e->args[i]);
        decided |= e->args[i]->kind == EXPR_CONST && !is_null(e->args[i]);
    }
}

/* CASE, COALESCE */
static void reduce_choice(struct analysis *a, struct expr *e)
{
    int all = e->n_args + e->n_left_out;
    struct parts p = {.kept = ARENA_ARRAY(a->arena, struct expr *, all),
                      .left_out = ARENA_ARRAY(a->arena, struct expr *, all)};
    if (e->kind == EXPR_CASE)
        part_case(e, &p);
    else
        part_coalesce(e, &p);
    for (int i = e->n_args; i < all; i++)
        part(&p, false, e->args[i]);
    memcpy(p.kept + p.n_kept, p.left_out, sizeof(*p.kept) * (size_t)p.n_left_out);
    e->args = p.kept;
    e->n_args = p.n_kept;
    e->n_left_out = p.n_left_out;
    if (e->n_args == 1 && e->args[0]->kind == EXPR_CONST)
        become(e, e->args[0]->value);
}

/* x IN (..) of constants; NULL when some are NULL and none is found. */
static void reduce_in(struct analysis *a, struct expr *e)
{
    bool null = false, found = false;
    for (int i = 1; i < e->n_args && !found; i++) {
        struct expr *pair[] = {e->args[0], e->args[i]};
        struct expr one = {.kind = EXPR_FUNC,
                           .type = OID_BOOL,
                           .typmod = -1,
                           .n_args = 2,
                           .args = pair,
                           .call.func = e->call.func};
        sql__simplify(a, &one);
        if (one.kind != EXPR_CONST)
            return;
        found = is_bool(&one, true);
        null |= is_null(&one);
    }
    if (!found && null)
        become(e, (struct value){.kind = VALUE_NULL});
    else
        become_bool(e, found);
}

/* What PostgreSQL would make of it. */
static struct expr *reduced(struct analysis *a, const struct expr *e)
{
    struct expr *r = ARENA_NEW(a->arena, struct expr);
    *r = *e;
    r->args = ARENA_ARRAY(a->arena, struct expr *, MAX(e->n_args + e->n_left_out, 1));
    for (int i = 0; i < e->n_args; i++)
        r->args[i] = reduced(a, e->args[i]);
    for (int i = e->n_args; i < e->n_args + e->n_left_out; i++)
        r->args[i] = e->args[i];
    switch (e->kind) {
    case EXPR_FUNC:
    case EXPR_CAST:
        if (r->call.func)
            sql__simplify(a, r);
        else if (r->args[0]->kind == EXPR_CONST) /* of the same representation */
            become(r, r->args[0]->value);
        break;
    case EXPR_AND:
    case EXPR_OR:
        reduce_logic(r);
        break;
    case EXPR_NOT:
        if (is_null(r->args[0]))
            become(r, (struct value){.kind = VALUE_NULL});
        else if (r->args[0]->kind == EXPR_CONST)
            become_bool(r, is_bool(r->args[0], false));
        break;
    case EXPR_IS:
        reduce_is(r);
        break;
    case EXPR_CASE:
    case EXPR_COALESCE:
        reduce_choice(a, r);
        break;
    case EXPR_IN:
        reduce_in(a, r);
        break;
    case EXPR_NULLIF:
        sql__simplify_nullif(a, r);
        break;
    default:
        break;
    }
    return r;
}

struct kinds {
    const enum expr_kind *kinds;
    size_t n;
    bool found;
};

static bool find_kind(void *ctx, const struct expr *e)
{
    struct kinds *of = ctx;
    for (size_t i = 0; i < of->n; i++)
        of->found |= e->kind == of->kinds[i];
    return !of->found;
}

static bool holds(const struct expr *e, const enum expr_kind *kinds, size_t n)
{
    struct kinds of = {.kinds = kinds, .n = n};
    expr_walk(e, false, find_kind, &of);
    return of.found;
}

/* What the select has a list of, to compute. An aggregate may go: the select stays one of groups.
 */
static const enum expr_kind listed[] = {EXPR_WINDOW, EXPR_GROUPING, EXPR_SUBQUERY};
static const enum expr_kind of_rows[] = {EXPR_COLUMN, EXPR_AGG, EXPR_WINDOW, EXPR_GROUPING,
                                         EXPR_SUBQUERY};

/* SQLite computes aggregates whether they are asked for or not. So what decides about them has to
 * be known. */
static void decide(struct analysis *a, struct expr *e)
{
    int step = e->kind == EXPR_CASE ? 2 : 1;
    for (int i = 0; i + 1 < e->n_args; i += step) {
        struct expr *r = reduced(a, e->args[i]);
        if (r->kind == EXPR_CONST)
            e->args[i] = r;
        else if (waits(a, !holds(r, of_rows, ARRAY_LEN(of_rows))))
            return;
    }
}

void sql__simplify_choice(struct analysis *a, struct expr *e)
{
    static const enum expr_kind aggregate = EXPR_AGG;
    if (a->as_written || e->domain || holds(e, listed, ARRAY_LEN(listed)))
        return;
    bool aggregates = holds(e, &aggregate, 1);
    if (aggregates)
        decide(a, e);
    if (aggregates || e->args[0]->kind == EXPR_CONST)
        reduce_choice(a, e);
}

/* A constant to PostgreSQL, though not to the code here. */
static bool is_undecided(const struct expr *e)
{
    return e->kind != EXPR_CONST && !holds(e, of_rows, ARRAY_LEN(of_rows)) && sql__is_immutable(e);
}

/* ---- failures -------------------------------------------------------------------------------- */

struct search {
    struct analysis *a;
    bool thorough;         /* conditions are reduced first */
    bool runs;             /* these are computed whatever the rows are */
    struct error *failure; /* the first */
};

static bool visit(void *ctx, const struct expr *e);

static void look(struct search *s, const struct expr *e)
{
    expr_walk(e, false, visit, s);
}

/* An argument as PostgreSQL decides by it. A constant takes its place: what stands behind it has to
 * be left out when the statement runs, too. */
static const struct expr *decided(struct search *s, const struct expr *e, int i)
{
    if (!s->thorough)
        return e->args[i];
    struct expr *r = reduced(s->a, e->args[i]);
    if (r->kind == EXPR_CONST)
        e->args[i] = r;
    return r;
}

static void look_at_case(struct search *s, const struct expr *e)
{
    for (int i = 0; i + 1 < e->n_args; i += 2) {
        look(s, e->args[i]);
        const struct expr *x = decided(s, e, i);
        if (s->thorough && is_undecided(x))
            return;
        if (!is_never(x))
            look(s, e->args[i + 1]);
        if (is_bool(x, true))
            return;
    }
    look(s, e->args[e->n_args - 1]);
}

/* Up to the argument that decides. Those behind it are no more: SQLite may compute both sides. */
static void look_at_some(struct search *s, const struct expr *e)
{
    for (int i = 0; i < e->n_args; i++) {
        look(s, e->args[i]);
        const struct expr *x = decided(s, e, i);
        if (s->thorough && is_undecided(x))
            return;
        if (e->kind == EXPR_COALESCE ? x->kind != EXPR_CONST || is_null(x)
                                     : !is_bool(x, e->kind == EXPR_OR))
            continue;
        for (int k = i + 1; k < e->n_args; k++)
            if (!holds(e->args[k], listed, ARRAY_LEN(listed)))
                e->args[k] = e->args[i];
        return;
    }
}

static bool find_param(void *ctx, const struct expr *e)
{
    bool *found = ctx;
    *found |= e->kind == EXPR_PARAM;
    return !*found;
}

/* Constants go into it, and some of them are literals that were lifted. */
static bool has_lifted(const struct search *s, const struct expr *e)
{
    bool found = false;
    if (s->a->ctx->lifted && is_constant_call(s->a, e))
        expr_walk(e, false, find_param, &found);
    return found;
}

/* Computed of literals by functions and casts alone */
static bool is_plain(const struct expr *e)
{
    bool plain = e->kind == EXPR_FUNC || e->kind == EXPR_CAST || e->kind == EXPR_PARAM ||
                 e->kind == EXPR_CONST;
    for (int i = 0; plain && i < e->n_args; i++)
        plain = is_plain(e->args[i]);
    return plain;
}

/* From integer to a wider number, or to text of any length. */
static bool always_fits(const struct expr *cast)
{
    static const uint32_t widths[] = {OID_INT2,    OID_INT4,   OID_INT8,
                                      OID_NUMERIC, OID_FLOAT4, OID_FLOAT8};
    size_t from = 0, to = 0;
    if (cast->typmod >= 0)
        return false;
    while (from < 3 && widths[from] != cast->args[0]->type)
        from++;
    while (to < ARRAY_LEN(widths) && widths[to] != cast->type)
        to++;
    return cast->type == OID_TEXT || (from < 3 && from < to && to < ARRAY_LEN(widths));
}

/* A literal whose cast can't fail, or is made for a row in any case, need not be looked at. */
static bool is_mere_cast(const struct search *s, const struct expr *e)
{
    return e->kind == EXPR_CAST && e->args[0]->kind == EXPR_PARAM &&
           (s->runs || !e->call.func || e->type == OID_BOOL || always_fits(e));
}

static bool note_lifted(struct search *s, const struct expr *e)
{
    struct query *q = s->a->q;
    if (is_mere_cast(s, e) || !has_lifted(s, e))
        return false;
    if (e->type == OID_BOOL || !is_plain(e)) {
        q->literals_matter = true;
        return false;
    }
    struct lifted_call *c = ARENA_NEW(s->a->arena, struct lifted_call);
    *c = (struct lifted_call){.expr = e, .next = q->calls};
    q->calls = c;
    return true;
}

static void look_at_select(struct search *s, const struct select *x, bool targets);

static bool visit(void *ctx, const struct expr *e)
{
    struct search *s = ctx;
    struct value v;
    if (s->failure)
        return false;
    switch (e->kind) {
    case EXPR_CASE:
        look_at_case(s, e);
        return false;
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_COALESCE:
        look_at_some(s, e);
        return false;
    case EXPR_SUBQUERY:
        look_at_select(s, e->sub.select, e->sub.kind != SUBQUERY_EXISTS);
        return true;
    case EXPR_FUNC:
    case EXPR_CAST:
        if (note_lifted(s, e))
            return false;
        if (can_call(e))
            s->failure = make_call(s->a->arena, e, &v);
        return true;
    default:
        return true;
    }
}

/* It is planned where it is mentioned, as if it were a subquery there. */
static bool is_inlined(const struct cte *c)
{
    return c->select && !c->recursive &&
           (c->materialized < 0 || (c->n_refs == 1 && !c->materialized));
}

static void look_at_from(struct search *s, const struct from *f)
{
    const struct rte *r = f->rte;
    if (!r) {
        look_at_from(s, f->left);
        look_at_from(s, f->right);
        look(s, f->on);
        return;
    }
    for (int i = 0; i < r->n_args; i++)
        look(s, r->args[i]);
    const struct select *x = r->kind == RTE_CTE && is_inlined(r->cte) ? r->cte->select : r->select;
    bool whole = x && x->kind != SELECT_PLAIN;
    if (x)
        look_at_select(s, x, whole);
    for (int i = 0; x && !whole && i < MIN(r->n_columns, x->n_targets); i++)
        if (r->columns[i].used) /* PostgreSQL does not plan the others */
            look(s, x->targets[i].expr);
}

static void look_at_write(struct search *s, const struct write *w)
{
    s->runs = w->select && w->select->kind == SELECT_VALUES;
    if (w->select)
        look_at_select(s, w->select, true);
    s->runs = false;
    for (int i = 0; i < w->n_set; i++)
        look(s, w->set[i].value);
    for (int i = 0; w->conflict && i < w->conflict->n_set; i++)
        look(s, w->conflict->set[i].value);
    if (w->conflict)
        look(s, w->conflict->where);
    for (int i = 0; i < w->n_returning; i++)
        look(s, w->returning[i].expr);
    for (int i = 0; i < w->n_parts; i++)
        for (int k = 0; k < w->parts[i]->n_set; k++)
            look(s, w->parts[i]->set[k].value);
}

static void look_at_cte(struct search *s, const struct cte *c)
{
    if (c->write)
        look_at_write(s, c->write);
    else if (c->n_refs && !is_inlined(c))
        look_at_select(s, c->select, true);
}

static void look_at_select(struct search *s, const struct select *x, bool targets)
{
    for (int i = 0; i < x->n_ctes; i++)
        look_at_cte(s, x->ctes[i]);
    if (x->kind == SELECT_SETOP) {
        look_at_select(s, x->left, targets);
        look_at_select(s, x->right, targets);
    }
    for (int i = 0; i < x->n_from; i++)
        look_at_from(s, x->from[i]);
    for (int i = 0; i < x->n_targets && x->kind == SELECT_PLAIN && targets; i++)
        look(s, x->targets[i].expr);
    for (int r = 0; r < x->n_rows; r++)
        for (int c = 0; c < x->n_targets; c++)
            look(s, x->rows[r][c]);
    look(s, x->where);
    for (int i = 0; i < x->n_group; i++)
        look(s, x->group[i]);
    look(s, x->having);
    for (int i = 0; i < x->n_order && x->kind == SELECT_PLAIN; i++)
        look(s, x->order[i].expr);
    look(s, x->limit);
    look(s, x->offset);
}

static const char *kept(const struct analysis *a, const char *text)
{
    return text ? arena_strdup(a->arena, text) : NULL;
}

static struct error *first_failure(struct analysis *a, bool thorough)
{
    struct search s = {.a = a, .thorough = thorough};
    if (a->q->select)
        look_at_select(&s, a->q->select, true);
    if (a->q->write)
        look_at_write(&s, a->q->write);
    return s.failure;
}

void sql__find_failure(struct analysis *a)
{
    struct error *failure = first_failure(a, false);
    if (!failure)
        return;
    error_free(failure);
    if (a->ctx->lifted) { /* a literal may leave it out */
        a->q->literals_matter = true;
        return;
    }
    failure = first_failure(a, true);
    if (!failure)
        return;
    struct query_failure *f = ARENA_NEW(a->arena, struct query_failure);
    *f = (struct query_failure){.sqlstate = arena_strdup(a->arena, failure->sqlstate),
                                .message = arena_strdup(a->arena, failure->message),
                                .detail = kept(a, failure->detail),
                                .hint = kept(a, failure->hint),
                                .schema = kept(a, failure->schema),
                                .table = kept(a, failure->table),
                                .column = kept(a, failure->column),
                                .constraint = kept(a, failure->constraint),
                                .datatype = kept(a, failure->datatype)};
    a->q->failure = f;
    error_free(failure);
}

/* What it is with these literals; what code here can't call, is left. NULL: a call failed. */
static struct expr *computed(const struct query *q, const struct expr *e,
                             const struct value *params, struct arena *arena)
{
    struct expr *r = ARENA_NEW(arena, struct expr);
    *r = *e;
    r->n_left_out = 0;
    r->args = ARENA_ARRAY(arena, struct expr *, e->n_args);
    for (int i = 0; i < e->n_args; i++)
        if (!(r->args[i] = computed(q, e->args[i], params, arena)))
            return NULL;
    struct value v;
    if (e->kind == EXPR_PARAM && e->param <= q->n_params) {
        become(r, params[e->param - 1]);
    } else if (e->kind == EXPR_CAST && !e->call.func && r->args[0]->kind == EXPR_CONST) {
        become(r, r->args[0]->value);
    } else if (e->kind != EXPR_CONST && can_call(r)) {
        struct error *err = make_call(arena, r, &v);
        error_free(err);
        if (err)
            return NULL;
        become(r, v);
    }
    return r;
}

bool sql_calls_matter(const struct query *q, const struct value *params, struct arena *arena)
{
    for (const struct lifted_call *c = q->calls; c; c = c->next) {
        struct expr *e = computed(q, c->expr, params, arena);
        if (!e || is_null(e))
            return true;
    }
    return false;
}

static void put(char **field, const char *text)
{
    *field = text ? mem_strdup(text) : NULL;
}

struct error *sql_failure(const struct query *q)
{
    const struct query_failure *f = q->failure;
    if (!f)
        return NULL;
    struct error *e = error_new(f->sqlstate, "%s", f->message);
    put(&e->detail, f->detail);
    put(&e->hint, f->hint);
    put(&e->schema, f->schema);
    put(&e->table, f->table);
    put(&e->column, f->column);
    put(&e->constraint, f->constraint);
    put(&e->datatype, f->datatype);
    return e;
}
