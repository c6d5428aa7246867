/*
 * Making types fit: literals take the type of their context, parameters are inferred, casts become
 * nodes. The rules are PostgreSQL's (its manual, chapter 10); which casts exist says types/.
 *
 * A cast of a constant is done here, so that "WHERE bigint_column = 5" reaches SQLite as a plain
 * comparison with a constant. One that fails is left in place: it fails if and when it runs.
 */
#include "sql_int.h"

struct expr *sql__new_expr(const struct analysis *a, enum expr_kind kind, uint32_t type,
                           int location, int n_args)
{
    struct expr *e = ARENA_NEW(a->arena, struct expr);
    e->kind = kind;
    e->type = type;
    e->typmod = -1;
    e->position = location + 1;
    e->n_args = n_args;
    if (n_args > 0)
        e->args = ARENA_ARRAY(a->arena, struct expr *, n_args);
    return e;
}

struct expr *sql__const(const struct analysis *a, uint32_t type, struct value v, int location)
{
    struct expr *e = sql__new_expr(a, EXPR_CONST, type, location, 0);
    e->value = v;
    return e;
}

struct expr *sql__const_int(const struct analysis *a, uint32_t type, int64_t i)
{
    return sql__const(a, type, (struct value){.kind = VALUE_INT, .i = i}, -1);
}

struct expr *sql__const_null(const struct analysis *a, uint32_t type, int location)
{
    return sql__const(a, type, (struct value){.kind = VALUE_NULL}, location);
}

const char *sql__type(const struct analysis *a, uint32_t oid)
{
    const struct type *t = type_by_oid(oid);
    if (t && (oid == OID_BPCHAR || t->element == OID_BPCHAR)) /* bpchar is another */
        return oid == OID_BPCHAR ? "character" : "character[]";
    return type_label(oid, -1, a->arena);
}

const char *sql__type_of(const struct analysis *a, uint32_t type, uint32_t domain)
{
    return sql__type(a, domain ? domain : type);
}

/* ---- parameters ---------------------------------------------------------------------------------
 */

struct error *sql__param(struct analysis *a, int number, int location, struct expr **ret)
{
    if (number <= 0 || number > SQL_MAX_PARAMS || (a->ctx->no_params && number > a->ctx->n_params))
        return sql__at(a, error_new("42P02", "there is no parameter $%d", number), location);
    if (number > a->cap_params) {
        int cap = MAX(number, a->cap_params * 2 + 8);
        uint32_t *grown = ARENA_ARRAY(a->arena, uint32_t, cap);
        uint32_t *domains = ARENA_ARRAY(a->arena, uint32_t, cap);
        if (a->n_params) {
            memcpy(grown, a->params, sizeof(*grown) * (size_t)a->n_params);
            memcpy(domains, a->param_domains, sizeof(*domains) * (size_t)a->n_params);
        }
        a->params = grown;
        a->param_domains = domains;
        a->cap_params = cap;
    }
    a->n_params = MAX(a->n_params, number);
    a->last_param = location < 0 ? a->last_param : MAX(a->last_param, number);
    uint32_t type = a->params[number - 1];
    struct expr *e = sql__new_expr(a, EXPR_PARAM, type ? type : OID_UNKNOWN, location, 0);
    e->param = number;
    if (!type)
        sql__push(a->arena, &a->open, e);
    *ret = e;
    return NULL;
}

struct expr *sql__hidden(struct analysis *a, enum hidden_kind kind, uint32_t type)
{
    struct expr *e = sql__new_expr(a, EXPR_PARAM, type, -1, 0);
    e->param = -1 - (int)kind;
    sql__push(a->arena, &a->hidden, e);
    return e;
}

struct expr *sql__hidden_call(struct analysis *a, struct expr *call)
{
    struct expr *e = sql__hidden(a, HIDDEN_CALL, call->type);
    e->args = ARENA_NEW(a->arena, struct expr *); /* nobody walks there: it has no n_args */
    e->args[0] = call;
    return e;
}

static struct error *fix_param(struct analysis *a, struct expr *e, uint32_t type)
{
    uint32_t *known = &a->params[e->param - 1];
    if (*known && *known != type) {
        struct error *err =
            error_new("42P08", "inconsistent types deduced for parameter $%d", e->param);
        error_detail(err, "%s versus %s", sql__type(a, *known), sql__type(a, type));
        return sql__at(a, err, e->position - 1);
    }
    *known = type;
    e->type = type;
    return NULL;
}

struct error *sql__current_row(struct analysis *a, const CurrentOfExpr *n, struct expr **ret)
{
    if (a->q->current_of)
        return error_new(E_UNSUPPORTED, "WHERE CURRENT OF twice in a statement is not supported");
    a->q->current_of = arena_strdup(a->arena, n->cursor_name);
    a->current = *ret = sql__new_expr(a, EXPR_PARAM, OID_TID, -1, 0);
    return NULL;
}

/* Whoever sends the statement to another server announces this one, too. */
static struct error *number_current(struct analysis *a)
{
    struct expr *unused;
    const struct sql_context *c = a->ctx;
    struct sql_context any = *c;
    int number = a->last_param + 1;
    if (!a->current)
        return NULL;
    any.no_params = false;
    a->ctx = &any;
    struct error *e = sql__param(a, number, -1, &unused);
    a->ctx = c;
    TRY(e);
    if (number < a->n_params || (a->params[number - 1] && a->params[number - 1] != OID_TID))
        return error_hint(error_new(E_UNSUPPORTED, "WHERE CURRENT OF with parameters that are not "
                                                   "used is not supported"),
                          "Announce the parameters that the statement mentions.");
    unused->type = a->params[number - 1] = OID_TID;
    a->current->param = number;
    return NULL;
}

static int slot_of(struct query *q, const struct hidden *h)
{
    for (int i = 0; i < q->n_hidden && h->kind != HIDDEN_CALL; i++)
        if (q->hidden[i].kind == h->kind)
            return i;
    q->hidden[q->n_hidden] = *h;
    return q->n_hidden++;
}

/* Types of those that nothing inferred, and the final numbers of hidden ones. */
struct error *sql__finish_params(struct analysis *a)
{
    TRY(number_current(a));
    for (int i = 0; i < a->open.n; i++) {
        struct expr *e = a->open.items[i];
        if (e->type != OID_UNKNOWN)
            continue;
        uint32_t known = a->params[e->param - 1];
        if (known || a->lifted) {
            TRY(fix_param(a, e, known ? known : OID_TEXT));
            continue;
        }
        return sql__at(
            a, error_new("42P18", "could not determine data type of parameter $%d", e->param),
            e->position - 1);
    }
    for (int i = 0; i < a->n_params; i++) {
        if (a->params[i])
            continue;
        if (!a->lifted)
            return error_new("42P18", "could not determine data type of parameter $%d", i + 1);
        a->params[i] = OID_TEXT;
    }
    a->q->n_params = a->n_params;
    a->q->params = a->params;
    a->q->param_domains = a->param_domains;
    a->q->hidden = ARENA_ARRAY(a->arena, struct hidden, MAX(a->hidden.n, 1));
    for (int i = 0; i < a->hidden.n; i++) {
        struct expr *e = a->hidden.items[i];
        if (e->param > 0)
            continue; /* shared with one that was done */
        const struct hidden h = {(enum hidden_kind)(-1 - e->param), e->args ? e->args[0] : NULL};
        e->param = a->n_params + slot_of(a->q, &h) + 1;
    }
    return NULL;
}

/* ---- coercion -----------------------------------------------------------------------------------
 */

bool sql__can_coerce(const struct expr *e, uint32_t to, enum cast_context context)
{
    if (sql__is_made_row(e) && to != OID_RECORD && sql__is_row_type(to))
        return true;
    return e->type == to || e->type == OID_UNKNOWN || to == OID_ANY ||
           cast_find(e->type, to, context) != NULL;
}

/* Literals are read without a typmod, which is enforced later. But the fields of an interval say
 * what a number without a unit means. */
static struct error *parse_literal(struct analysis *a, struct expr *e, uint32_t to, int32_t typmod,
                                   struct expr **ret)
{
    typmod = to == OID_INTERVAL ? typmod : -1;
    const struct type *t = type_by_oid(to);
    struct value v = {.kind = VALUE_NULL};
    if (e->value.kind != VALUE_NULL) {
        struct error *err = type_parse(t, e->value.s.p, e->value.s.n, typmod, a->arena, &v);
        if (err)
            return sql__at(a, err, e->position - 1);
        a->q->reads_clock |= type_reads_clock(t, e->value.s.p, e->value.s.n);
    }
    *ret = sql__const(a, to, v, e->position - 1);
    (*ret)->typmod = typmod;
    return NULL;
}

/* Calls a cast of a constant now. On failure the node stays as it is. */
static void fold(struct analysis *a, struct expr **e)
{
    const struct func *f = (*e)->call.func;
    struct value args[FUNC_MAX_ARGS + 1] = {{0}}, v = {.kind = VALUE_NULL};
    if (a->as_written)
        return;
    for (int i = 0; i < (*e)->n_args; i++) {
        const struct expr *arg = (*e)->args[i];
        if (arg->kind != EXPR_CONST || (f && func_takes_text(f, i, (*e)->n_args, arg->type)))
            return;
        args[i] = arg->value;
    }
    if (args[0].kind != VALUE_NULL) {
        if (f && !f->call)
            return;
        struct error *err = f ? f->call(args, (*e)->n_args, a->arena, &v) : NULL;
        if (err) {
            error_free(err);
            return;
        }
        if (!f)
            v = args[0];
        a->q->reads_clock |= args[0].kind == VALUE_TEXT &&
                             type_reads_clock(type_by_oid((*e)->type), args[0].s.p, args[0].s.n);
    }
    struct expr *c = sql__const(a, (*e)->type, v, (*e)->position - 1);
    c->typmod = (*e)->typmod;
    *e = c;
}

/* Enforces a typmod by a call of the type's length function. */
static struct error *apply_typmod(struct analysis *a, struct expr **e, int32_t typmod, bool strict)
{
    if (typmod < 0 || (*e)->typmod == typmod)
        return NULL;
    const struct func *f = cast_typmod_func((*e)->type, strict);
    if (!f)
        return NULL;
    struct expr *call =
        sql__new_expr(a, EXPR_FUNC, (*e)->type, (*e)->position - 1, f->typed ? 3 : 2);
    call->args[0] = *e;
    call->args[1] = sql__const_int(a, OID_INT4, typmod);
    if (f->typed)
        call->args[2] = sql__const_int(a, OID_INT8, (*e)->type);
    call->call.func = f;
    call->typmod = typmod;
    if ((*e)->kind == EXPR_CONST && (*e)->value.kind != VALUE_NULL && f->call && strict) {
        struct value v, args[3] = {(*e)->value, call->args[1]->value};
        args[2] = f->typed ? call->args[2]->value : args[1];
        struct error *err = f->call(args, call->n_args, a->arena, &v);
        if (!err) {
            (*e)->value = v;
            (*e)->typmod = typmod;
            return NULL;
        }
        error_free(err); /* said when it runs: a default may be one that nobody uses */
        *e = call;
        return NULL;
    }
    fold(a, &call);
    *e = call;
    return NULL;
}

struct error *sql__coerce(struct analysis *a, struct expr *e, uint32_t to, int32_t typmod,
                          enum cast_context context, struct expr **ret)
{
    if (to == OID_ANY) {
        sql__default_unknown(a, &e);
        *ret = e;
        return NULL;
    }
    if (e->type == OID_UNKNOWN && e->kind == EXPR_PARAM) {
        TRY(fix_param(a, e, to));
        /* a literal would be read as parse_literal() does */
        a->q->literals_matter |= a->lifted && to == OID_INTERVAL && typmod >= 0;
    } else if (e->type == OID_UNKNOWN && e->kind == EXPR_CONST) {
        TRY(parse_literal(a, e, to, typmod, &e));
    } else if (e->type != to && sql__is_made_row(e) && sql__is_row_type(to)) {
        TRY(sql__to_composite(a, e, to, context, &e));
    } else if (e->type != to) {
        uint32_t from = e->type == OID_UNKNOWN ? OID_TEXT : e->type;
        const struct cast *c = cast_find(from, to, context);
        if (!c && from != to) {
            return sql__at(a,
                           error_new("42846", "cannot cast type %s to %s", sql__type(a, e->type),
                                     sql__type(a, to)),
                           e->position - 1);
        }
        bool typed = c && c->func && c->func->typed;
        bool sized = c && c->func && c->func->nargs == 2; /* of a number to bit(n) */
        struct expr *cast =
            sql__new_expr(a, EXPR_CAST, to, e->position - 1, typed || sized ? 2 : 1);
        cast->args[0] = e;
        if (sized) {
            cast->args[1] = sql__const_int(a, OID_INT4, typmod);
            cast->typmod = typmod;
        }
        if (typed)
            cast->args[1] = sql__const_int(a, OID_INT8, cast_hidden(c));
        cast->call.func = c ? c->func : NULL;
        fold(a, &cast);
        e = cast;
    }
    TRY(apply_typmod(a, &e, typmod, context != CAST_EXPLICIT));
    *ret = e;
    return NULL;
}

struct error *sql__assign(struct analysis *a, struct expr *e, const struct column *column,
                          int location, struct expr **ret)
{
    if (!sql__can_coerce(e, column->type, CAST_ASSIGNMENT)) {
        struct error *err =
            error_new(E_TYPE_MISMATCH, "column \"%s\" is of type %s but expression is of type %s",
                      column->name, sql__type_of(a, column->type, column->domain),
                      sql__type_of(a, e->type, e->domain));
        error_hint(err, "You will need to rewrite or cast the expression.");
        err->routine = "transformAssignedExpr"; /* postgres.js' cue to prepare it again */
        return sql__at(a, err, location);
    }
    sql__param_domain(a, e, column->domain);
    TRY(sql__coerce(a, e, column->type, column->typmod, CAST_ASSIGNMENT, ret));
    return sql__to_domain(a, *ret, column->domain, ret);
}

/* Where an expression begins, as far as operators go: PostgreSQL points there. */
static int beginning(const struct expr *e)
{
    int first = e->position;
    bool infix = e->kind == EXPR_FUNC && e->call.func && e->call.func->kind == FUNC_OPERATOR;
    for (int i = 0; infix && i < e->n_args; i++) {
        int at = beginning(e->args[i]);
        first = at && at < first ? at : first;
    }
    return first;
}

struct error *sql__boolean(struct analysis *a, struct expr *e, const char *what, struct expr **ret)
{
    if (!sql__can_coerce(e, OID_BOOL, CAST_ASSIGNMENT)) {
        return sql__at(a,
                       error_new(E_TYPE_MISMATCH,
                                 "argument of %s must be type boolean, not type %s", what,
                                 sql__type(a, e->type)),
                       beginning(e) - 1);
    }
    return sql__coerce(a, e, OID_BOOL, -1, CAST_ASSIGNMENT, ret);
}

void sql__default_unknown(struct analysis *a, struct expr **e)
{
    if ((*e)->type == OID_UNKNOWN) {
        struct error *err = sql__coerce(a, *e, OID_TEXT, -1, CAST_IMPLICIT, e);
        error_free(err); /* text takes every literal, and an open parameter has no other type */
    }
}

/* ---- common types
 * ---------------------------------------------------------------------------------- */

struct error *sql__common_type(struct analysis *a, struct expr *const *exprs, int n,
                               const char *what, uint32_t *ret)
{
    uint32_t best = OID_UNKNOWN;
    for (int i = 0; i < n; i++) {
        uint32_t next = exprs[i]->type;
        if (next == OID_UNKNOWN || next == best)
            continue;
        if (best == OID_UNKNOWN) {
            best = next;
            continue;
        }
        const struct type *b = type_by_oid(best), *t = type_by_oid(next);
        if (b->category != t->category) {
            return sql__at(a,
                           error_new(E_TYPE_MISMATCH, "%s types %s and %s cannot be matched", what,
                                     sql__type(a, best), sql__type(a, next)),
                           exprs[i]->position - 1);
        }
        if (!b->preferred && cast_find(best, next, CAST_IMPLICIT) &&
            !cast_find(next, best, CAST_IMPLICIT))
            best = next;
    }
    *ret = best == OID_UNKNOWN ? OID_TEXT : best;
    return NULL;
}

int32_t sql__common_typmod(struct expr *const *exprs, int n, uint32_t type)
{
    for (int i = 0; i < n; i++) {
        if (exprs[i]->type != type || exprs[i]->typmod != exprs[0]->typmod)
            return -1;
    }
    return n ? exprs[0]->typmod : -1;
}

struct error *sql__coerce_select_column(struct analysis *a, struct select *s, int column,
                                        uint32_t type)
{
    struct target *t = &s->targets[column];
    if (t->expr->type == type) /* of all rows and arms */
        return NULL;
    if (s->kind == SELECT_SETOP) {
        TRY(sql__coerce_select_column(a, s->left, column, type));
        TRY(sql__coerce_select_column(a, s->right, column, type));
        t->expr = s->left->targets[column].expr;
        return NULL;
    }
    if (s->kind == SELECT_VALUES) {
        for (int i = 0; i < s->n_rows; i++)
            TRY(sql__coerce(a, s->rows[i][column], type, -1, CAST_IMPLICIT, &s->rows[i][column]));
        t->expr = s->rows[0][column];
        return NULL;
    }
    struct expr *before = t->expr;
    TRY(sql__coerce(a, t->expr, type, -1, CAST_IMPLICIT, &t->expr));
    for (int i = 0; i < s->n_order; i++) {
        if (s->order[i].target == column && t->expr != before && before->kind != EXPR_CONST)
            s->order[i].target = -1; /* goes on ordering by what was written */
    }
    return NULL;
}

/* ---- operators
 * ------------------------------------------------------------------------------------ */

/* A number that is a key stays as it is written, with its exponent, which jsonb's numbers have not.
 */
static bool is_jsonb_key(const struct func *f, int i)
{
    return (strcmp(f->name, "jsonb_build_object") == 0 && i % 2 == 0) ||
           (strcmp(f->name, "jsonb_object_agg") == 0 && i == 0);
}

/* Functions of arrays that compare their items, and how */
static struct error *items_compare(const struct analysis *a, const struct func *f, uint32_t array)
{
    static const struct {
        const char *name;
        bool order;
    } functions[] = {
        {"=", false},
        {"<>", false},
        {"@>", false},
        {"<@", false},
        {"&&", false},
        {"<", true},
        {"<=", true},
        {">", true},
        {">=", true},
        {"array_remove", false},
        {"array_replace", false},
        {"array_position", false},
        {"array_positions", false},
        {"min", true},
        {"max", true},
        {"width_bucket", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (strcmp(functions[i].name, f->name) == 0)
            return sql__compares(a, array, true, functions[i].order);
    return NULL;
}

static struct error *coerce_args(struct analysis *a, const struct func *f, struct expr **args,
                                 int n, int location, struct binding *ret)
{
    uint32_t types[FUNC_MAX_BOUND] = {0};
    for (int i = 0; i < n; i++)
        types[i] = args[i]->type;
    TRY(sql__at(a, func_bind(f, types, n, ret), location));
    for (int i = 0; i < n; i++) {
        uint32_t to = ret->args[i];
        TRY(sql__coerce(a, args[i], to, -1, CAST_IMPLICIT, &args[i]));
        if (f->any_as &&
            (to == OID_ANY || to == OID_RECORD || (i < f->nargs && f->args[i] == OID_ANYARRAY)))
            TRY(sql__as_json(a, args[i], is_jsonb_key(f, i) ? OID_JSON : f->any_as, &args[i]));
    }
    for (int i = 0; i < MIN(f->nargs, 2); i++)
        if (f->args[i] == OID_ANYARRAY || f->args[i] == OID_ANYCOMPATIBLEARRAY)
            return items_compare(a, f, ret->args[i]);
    return NULL;
}

struct expr *sql__new_call(const struct analysis *a, enum expr_kind kind, int location, int n_args)
{
    struct expr *e = sql__new_expr(a, kind, OID_UNKNOWN, location, n_args + 1);
    e->n_args = n_args; /* one more has room */
    return e;
}

struct error *sql__bind_call(struct analysis *a, const struct func *f, struct expr *e)
{
    struct binding b;
    TRY(coerce_args(a, f, e->args, e->n_args, e->position - 1, &b));
    e->type = b.result;
    e->call.func = f;
    bool names_domain = e->n_args && e->args[0]->domain && strcmp(f->name, "pg_typeof") == 0;
    if (f->typed)
        e->args[e->n_args++] =
            sql__const_int(a, OID_INT8, names_domain ? e->args[0]->domain : b.hidden);
    a->q->volatile_ |= f->volatile_;
    a->q->system |= f->system;
    return NULL;
}

struct error *sql__operator(struct analysis *a, const char *name, struct expr **args, int n,
                            int location, const struct func **ret)
{
    uint32_t types[2];
    for (int i = 0; i < n; i++)
        types[i] = args[i]->type;
    struct error *err =
        func_resolve(strcmp(name, "!=") == 0 ? "<>" : name, FUNC_OPERATOR, types, n, ret);
    if (err)
        return sql__at(a, err, location);
    if ((*ret)->volatile_)
        a->q->volatile_ = true;
    struct binding b;
    return coerce_args(a, *ret, args, n, location, &b);
}

struct error *sql__call(struct analysis *a, const char *name, struct expr **args, int n,
                        int location, struct expr **ret)
{
    TRY(sql__call_kind(a, name, FUNC_OPERATOR, args, n, location, ret));
    memcpy(args, (*ret)->args, sizeof(*args) * (size_t)n);
    return NULL;
}

struct error *sql__call_kind(struct analysis *a, const char *name, enum func_kind kind,
                             struct expr *const *args, int n, int location, struct expr **ret)
{
    const struct func *f;
    uint32_t types[FUNC_MAX_BOUND] = {0};
    struct expr *e = sql__new_call(a, EXPR_FUNC, location, n);
    for (int i = 0; i < n && i < FUNC_MAX_BOUND; i++) {
        e->args[i] = args[i];
        types[i] = args[i]->type;
    }
    TRY(sql__at(a, func_resolve(name, kind, types, n, &f), location));
    TRY(sql__bind_call(a, f, e));
    sql__simplify(a, e);
    *ret = e;
    return NULL;
}

/* ---- names of types
 * -------------------------------------------------------------------------------- */

/* Types that PostgreSQL has and types/ may not have yet. */
static const char *const known_types[] = {
    "timetz",
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
    "tsvector",
    "tsquery",
    "xml",
    "serial",
    "bigserial",
    "smallserial",
    "serial4",
    "serial8",
    "serial2",
    "int4multirange",
    "int8multirange",
    "nummultirange",
    "datemultirange",
    "tsmultirange",
    "tstzmultirange",
};

static struct error *no_such_type(const struct analysis *a, const TypeName *t, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(known_types); i++) {
        if (strcmp(known_types[i], name) != 0)
            continue;
        const char *hint =
            strstr(name, "serial")
                ? "Declare the column as integer or bigint and give its values yourself."
                : "Use an integer, floating-point, boolean or text type for it.";
        return sql__unsupported(a, t->location, hint, "type %s is not supported", name);
    }
    return sql__at(a, error_new(E_UNDEFINED_OBJECT, "type \"%s\" does not exist", name),
                   t->location);
}

static struct error *typmod_of(const struct analysis *a, const TypeName *t, uint32_t oid,
                               int32_t *ret)
{
    int n = list_length(t->typmods), mods[2] = {0};
    *ret = -1;
    if (n == 0)
        return NULL;
    for (int i = 0; i < n && i < 2; i++) {
        const A_Const *c = list_nth(t->typmods, i);
        if (!IsA(c, A_Const) || c->isnull || !IsA(&c->val, Integer))
            return sql__at(
                a, error_new("42601", "type modifiers must be simple constants or identifiers"),
                t->location);
        mods[i] = intVal(&c->val);
    }
    const char *label = oid == OID_BPCHAR ? "char" : "varchar";
    if ((oid == OID_BPCHAR || oid == OID_VARCHAR) && n == 1) {
        if (mods[0] < 1)
            return sql__at(a, error_new("22023", "length for type %s must be at least 1", label),
                           t->location);
        if (mods[0] > 10485760)
            return sql__at(a,
                           error_new("22023", "length for type %s cannot exceed 10485760", label),
                           t->location);
        *ret = mods[0] + 4;
        return NULL;
    }
    bool time = oid == OID_TIME || oid == OID_TIMETZ;
    if ((time || oid == OID_TIMESTAMP || oid == OID_TIMESTAMPTZ) && n == 1) {
        bool zone = oid == OID_TIMETZ || oid == OID_TIMESTAMPTZ;
        if (mods[0] < 0)
            return sql__at(a,
                           error_new("22023", "%s(%d)%s precision must not be negative",
                                     time ? "TIME" : "TIMESTAMP", mods[0],
                                     zone ? " WITH TIME ZONE" : ""),
                           t->location);
        *ret = MIN(mods[0], 6);
        return NULL;
    }
    if (oid == OID_INTERVAL && n <= 2) {
        if (n == 2 && mods[1] < 0)
            return sql__at(
                a, error_new("22023", "INTERVAL(%d) precision must not be negative", mods[1]),
                t->location);
        if (n == 2 || mods[0] != INTERVAL_ALL_FIELDS)
            *ret = interval_typmod(mods[0], n == 2 ? MIN(mods[1], 6) : INTERVAL_ALL_DIGITS);
        return NULL;
    }
    if ((oid == OID_BIT || oid == OID_VARBIT) && n == 1) {
        const char *name = type_by_oid(oid)->name;
        enum { MOST_BITS = 10485760 * 8 };
        if (mods[0] < 1 || mods[0] > MOST_BITS)
            return sql__at(
                a,
                mods[0] < 1
                    ? error_new("22023", "length for type %s must be at least 1", name)
                    : error_new("22023", "length for type %s cannot exceed %d", name, MOST_BITS),
                t->location);
        *ret = mods[0];
        return NULL;
    }
    if (oid == OID_NUMERIC && n <= 2) {
        if (mods[0] < 1 || mods[0] > 1000)
            return sql__at(
                a, error_new("22023", "NUMERIC precision %d must be between 1 and 1000", mods[0]),
                t->location);
        if (mods[1] < -1000 || mods[1] > 1000)
            return sql__at(
                a, error_new("22023", "NUMERIC scale %d must be between -1000 and 1000", mods[1]),
                t->location);
        *ret = (int32_t)(((uint32_t)mods[0] << 16) | ((uint32_t)mods[1] & 0x7ff)) + 4;
        return NULL;
    }
    return sql__at(
        a,
        error_new("42601", "type modifier is not allowed for type \"%s\"", type_by_oid(oid)->name),
        t->location);
}

static struct error *of_domain(const struct analysis *a, const TypeName *t, const struct object *o,
                               const struct type **ret, int32_t *ret_typmod, uint32_t *ret_domain)
{
    const struct column *c = &o->domain->columns[0];
    if (t->typmods)
        return sql__at(a,
                       error_new("42601", "type modifier is not allowed for type \"%s\"", o->name),
                       t->location);
    if (t->arrayBounds)
        return sql__unsupported(a, t->location, "Use a domain over an array type.",
                                "an array of domain %s is not supported", o->name);
    if (!ret_domain)
        return sql__unsupported(a, t->location, "Use the type beneath it.",
                                "domain %s is not supported here", o->name);
    *ret = type_by_oid(c->type);
    *ret_typmod = c->typmod;
    *ret_domain = catalog_oid(o->id);
    return NULL;
}

struct error *sql__type_name(const struct analysis *a, const TypeName *t, const struct type **ret,
                             int32_t *ret_typmod, uint32_t *ret_domain)
{
    const char *name = strVal(llast(t->names));
    if (ret_domain)
        *ret_domain = 0;
    if (t->pct_type)
        return sql__unsupported(a, t->location, "Write the type's name.",
                                "%%TYPE is not supported");
    if (t->setof)
        return sql__unsupported(a, t->location, "Write the type of one row's value.",
                                "SETOF is not supported here");
    const struct object *own = sql__lookup_type(a, t->names);
    const struct object *item = own ? NULL : sql__lookup_item_type(a, t->names);
    const char *schema =
        list_length(t->names) > 1 ? strVal(list_nth(t->names, list_length(t->names) - 2)) : NULL;
    if (!own && !item && schema && strcmp(schema, "pg_catalog") != 0)
        return sql__at(
            a,
            a->ctx->view && !catalog_schema(a->ctx->view, schema)
                ? sql__no_schema(schema)
                : error_new(E_UNDEFINED_OBJECT, "type \"%s.%s\" does not exist", schema, name),
            t->location);
    /* char is pg_catalog.bpchar to the parser; "char" in quotes is another type */
    bool quoted_char = list_length(t->names) == 1 && strcmp(name, "char") == 0;
    const struct type *type = quoted_char     ? type_by_oid(OID_CHAR)
                              : own && schema ? type_by_oid(catalog_oid(own->id))
                                              : type_by_name(name);
    if (!type && own)
        type = type_by_oid(catalog_oid(own->id));
    if (!type && item) {
        type = type_by_oid(catalog_oid(item->array_id));
        sql__note_type((struct analysis *)(uintptr_t)a, t, item);
    }
    if (own && type && type->oid == catalog_oid(own->id))
        sql__note_type((struct analysis *)(uintptr_t)a, t, own);
    if (!type)
        return no_such_type(a, t, name);
    if (own && own->kind == OBJ_DOMAIN && type->oid == catalog_oid(own->id))
        return of_domain(a, t, own, ret, ret_typmod, ret_domain);
    TRY(typmod_of(a, t, type->oid, ret_typmod));
    if (t->arrayBounds)
        type = type_by_oid(type->array);
    if (!type || type->category == 'P')
        return sql__at(a,
                       error_new(E_UNDEFINED_OBJECT, "type \"%s%s\" does not exist", name,
                                 t->arrayBounds ? "[]" : ""),
                       t->location);
    *ret = type;
    return NULL;
}
