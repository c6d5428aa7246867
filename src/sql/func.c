/*
 * Calls of functions, aggregates and window functions; subqueries in expressions.
 */
#include "sql_int.h"

/* ---- what a clause allows
 * --------------------------------------------------------------------------------- */

const char *sql__clause_text(enum clause c)
{
    switch (c) {
    case CLAUSE_FROM_FUNCTION:
        return "functions in FROM";
    case CLAUSE_ON:
        return "JOIN conditions";
    case CLAUSE_WHERE:
        return "WHERE";
    case CLAUSE_GROUP:
        return "GROUP BY";
    case CLAUSE_FILTER:
        return "FILTER";
    case CLAUSE_LIMIT:
        return "LIMIT";
    case CLAUSE_OFFSET:
        return "OFFSET";
    case CLAUSE_VALUES:
        return "VALUES";
    case CLAUSE_UPDATE:
        return "UPDATE";
    case CLAUSE_RETURNING:
        return "RETURNING";
    case CLAUSE_INDEX_PREDICATE:
        return "index predicates";
    case CLAUSE_INDEX_EXPRESSION:
        return "index expressions";
    case CLAUSE_GENERATED:
        return "column generation expressions";
    case CLAUSE_TRANSFORM:
        return "transform expressions";
    case CLAUSE_CHECK:
    case CLAUSE_DOMAIN:
        return "check constraints";
    case CLAUSE_DEFAULT:
        return "DEFAULT expressions";
    case CLAUSE_EXECUTE:
        return "EXECUTE parameters";
    case CLAUSE_CONFLICT_WHERE:
        return "WHERE";
    case CLAUSE_SELECT:
    case CLAUSE_HAVING:
    case CLAUSE_ORDER:
    case CLAUSE_DISTINCT_ON:
    case CLAUSE_WINDOW:
        break;
    }
    return NULL; /* allowed */
}

static struct error *check_aggregate(const struct analysis *a, const struct scope *s, int location)
{
    const char *where = s ? sql__clause_text(s->clause) : "VALUES";
    if (where)
        return sql__at(a, error_new(E_GROUPING, "aggregate functions are not allowed in %s", where),
                       location);
    if (s->in_agg)
        return sql__at(a, error_new(E_GROUPING, "aggregate function calls cannot be nested"),
                       location);
    return NULL;
}

static struct error *check_window(const struct analysis *a, const struct scope *s, int location)
{
    const char *where = s ? sql__clause_text(s->clause) : "VALUES";
    if (s && s->clause == CLAUSE_HAVING)
        where = "HAVING";
    if (s && s->clause == CLAUSE_WINDOW)
        where = "window definitions";
    if (where)
        return sql__at(a, error_new("42P20", "window functions are not allowed in %s", where),
                       location);
    if (s->in_agg)
        return sql__at(
            a,
            error_new(E_GROUPING, "aggregate function calls cannot contain window function calls"),
            location);
    if (s->in_window)
        return sql__at(a, error_new("42P20", "window function calls cannot be nested"), location);
    return NULL;
}

/* ---- special functions
 * --------------------------------------------------------------------------------------- */

static struct error *text_const(struct analysis *a, const char *text, uint32_t type, int location,
                                struct expr **ret)
{
    *ret = sql__const(a, type, (struct value){.kind = VALUE_TEXT, .s = {text, strlen(text)}},
                      location);
    return NULL;
}

/* Functions whose value hangs on the session. *ret NULL: not one of them. */
static struct error *session_function(struct analysis *a, const char *name, int nargs, int location,
                                      struct expr **ret)
{
    static const char *const names[] = {"current_database", "current_schema"};
    static const char *const now[] = {"now", "transaction_timestamp", "statement_timestamp"};
    *ret = NULL;
    if (nargs > 0)
        return NULL;
    if (a->as_written) { /* nobody runs it: the name is what counts */
        struct func *f = ARENA_NEW(a->arena, struct func);
        *f = (struct func){.name = name, .kind = FUNC_SCALAR, .result = OID_UNKNOWN};
        for (size_t i = 0; i < ARRAY_LEN(now); i++)
            f->result = strcmp(name, now[i]) == 0 ? (uint32_t)OID_TIMESTAMPTZ : f->result;
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            f->result = strcmp(name, names[i]) == 0 ? (uint32_t)OID_NAME : f->result;
        if (f->result == OID_UNKNOWN)
            return NULL;
        *ret = sql__new_expr(a, EXPR_FUNC, f->result, location, 0);
        (*ret)->call.func = f;
        return NULL;
    }
    if (strcmp(name, "current_database") == 0)
        return text_const(a, a->path->database, OID_NAME, location, ret);
    if (strcmp(name, "current_schema") == 0) {
        *ret = sql__current_schema_expr(a, location);
        return NULL;
    }
    if (strcmp(name, "version") == 0)
        return text_const(a, "PostgreSQL 15.0 (MiniSQL 0.1.0)", OID_TEXT, location, ret);
    if (strcmp(name, "pg_backend_pid") == 0) {
        *ret = sql__hidden(a, HIDDEN_PID, OID_INT4);
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(now); i++) {
        if (strcmp(name, now[i]) != 0)
            continue;
        const struct type *t = type_by_name("timestamptz");
        if (!t)
            return sql__unsupported(a, location, "Send the time from the client.",
                                    "function %s() is not supported", name);
        *ret = sql__hidden(a, HIDDEN_NOW, t->oid);
        (*ret)->position = location + 1;
    }
    return NULL;
}

/* text(x), int4(x): a cast in a function's clothes. */
static struct error *cast_function(struct analysis *a, const char *name, struct expr *arg,
                                   struct expr **ret)
{
    const struct type *t = type_by_name(name);
    *ret = NULL;
    if (arg->type == OID_RECORD) /* a field of it may have the name */
        return NULL;
    bool own = func_exists(name, FUNC_SCALAR) && strncmp(name, "timestamp", 9) != 0;
    if (!t || strcmp(t->name, name) != 0 || own || !sql__can_coerce(arg, t->oid, CAST_EXPLICIT))
        return NULL;
    return sql__coerce(a, arg, t->oid, -1, CAST_EXPLICIT, ret);
}

/* ---- aggregates and windows
 * ------------------------------------------------------------------------------------ */

/*
 * An aggregate belongs to the innermost query whose columns are in it: in (SELECT sum(t.x)) to that
 * of t. Its value is then one for each group there, which the subquery reads: see emit.c's
 * over_sets().
 */
struct finding {
    const struct scope *from;
    const struct scope *owner;
    const struct expr *inner; /* a column of `from` itself */
    bool target;              /* the target of a write is mentioned */
};

static bool find_owner(void *ctx, const struct expr *e)
{
    struct finding *f = ctx;
    if (e->kind != EXPR_COLUMN)
        return true;
    const struct select *of = e->col.rte->owner;
    f->target |= !of;
    if (of && of == f->from->select)
        f->inner = e;
    for (const struct scope *s = f->from; s && s != f->owner && of; s = s->parent)
        if (s->select == of)
            f->owner = s;
    return true;
}

static void find_in_aggregate(const struct expr *e, struct finding *f)
{
    bool direct = e->call.func->kind == FUNC_ORDERED; /* the keys count, not these arguments */
    for (int i = 0; i < e->n_args && !direct; i++)
        expr_walk(e->args[i], true, find_owner, f);
    for (int i = 0; i < e->call.n_order; i++)
        expr_walk(e->call.order[i].expr, true, find_owner, f);
    expr_walk(e->call.filter, true, find_owner, f);
}

static const struct scope *own_scope(const struct finding *f)
{
    return f->owner ? f->owner : f->from;
}

struct error *sql__grouping(struct analysis *a, struct scope *s, const GroupingFunc *n,
                            struct expr **ret)
{
    int count = list_length(n->args);
    if (count > 31)
        return sql__at(a, error_new("54023", "GROUPING must have fewer than 32 arguments"),
                       n->location);
    struct expr *e = sql__new_expr(a, EXPR_GROUPING, OID_INT4, n->location, count);
    struct finding f = {.from = s};
    for (int i = 0; i < count; i++) {
        TRY(sql__expr(a, s, list_nth(n->args, i), &e->args[i]));
        if (s)
            expr_walk(e->args[i], true, find_owner, &f);
    }
    struct scope *owner = (struct scope *)(uintptr_t)own_scope(&f);
    const char *where = owner ? sql__clause_text(owner->clause) : "VALUES";
    if (where)
        return sql__at(a, error_new(E_GROUPING, "grouping operations are not allowed in %s", where),
                       n->location);
    sql__push(a->arena, &owner->groupings, e);
    *ret = e;
    return NULL;
}

struct nesting {
    const struct scope *owner;
    const struct expr *found;
};

static bool find_nested(void *ctx, const struct expr *e)
{
    struct nesting *n = ctx;
    for (int i = 0; i < n->owner->aggs.n && e->kind == EXPR_AGG; i++)
        if (n->owner->aggs.items[i] == e)
            n->found = e;
    return true;
}

/* Of one that belongs to a query around it. */
static struct error *check_outer(const struct analysis *a, const struct expr *e,
                                 const struct scope *s, const struct scope *owner)
{
    struct finding direct = {.from = s};
    struct nesting nested = {.owner = owner};
    if (!owner->from_done)
        return sql__at(a,
                       error_new(E_GROUPING, "aggregate functions are not allowed in FROM clause "
                                             "of their own query level"),
                       e->position - 1);
    for (int i = 0; i < e->n_args; i++) {
        expr_walk(e->args[i], true, find_nested, &nested);
        expr_walk(e->args[i], true, find_owner, &direct);
    }
    expr_walk(e->call.filter, true, find_nested, &nested);
    if (nested.found)
        return sql__at(a, error_new(E_GROUPING, "aggregate function calls cannot be nested"),
                       nested.found->position - 1);
    if (direct.inner)
        return sql__at(a,
                       error_new(E_GROUPING, "outer-level aggregate cannot contain a lower-level "
                                             "variable in its direct arguments"),
                       direct.inner->position - 1);
    return NULL;
}

static struct error *filter(struct analysis *a, struct scope *s, const FuncCall *n,
                            struct expr **ret)
{
    if (!n->agg_filter)
        return NULL;
    enum clause before = s->clause;
    s->clause = CLAUSE_FILTER;
    TRY(sql__expr(a, s, n->agg_filter, ret));
    s->clause = before;
    return sql__boolean(a, *ret, "FILTER", ret);
}

static struct expr *known_aggregate(const struct scope *s, struct expr *e)
{
    for (int i = 0; i < s->aggs.n; i++) {
        if (expr_equal(s->aggs.items[i], e))
            return s->aggs.items[i];
    }
    return NULL;
}

/* All of e is known. */
static struct error *keep_aggregate(struct analysis *a, struct scope *s, struct expr *e,
                                    struct expr **ret)
{
    struct finding f = {.from = s};
    find_in_aggregate(e, &f);
    struct scope *owner = (struct scope *)(uintptr_t)own_scope(&f);
    const struct scope *outermost = s;
    while (outermost->parent)
        outermost = outermost->parent;
    if (!f.owner && f.target)
        TRY(check_aggregate(a, outermost, e->position - 1));
    if (!f.owner && f.target)
        return sql__unsupported(a, e->position - 1, "Compute it in a WITH query.",
                                "an aggregate of the columns of what is written is not supported");
    if (owner != s)
        TRY(check_outer(a, e, s, owner));
    TRY(check_aggregate(a, owner, e->position - 1));
    if (owner != s)
        owner->select->read_below = true;
    *ret = known_aggregate(owner, e);
    if (*ret)
        return NULL;
    sql__push(a->arena, &owner->aggs, e);
    *ret = e;
    return NULL;
}

/* Does the result hang on the order of the rows? Lists do, numbers, truth values and times not. */
static bool is_ordered(const struct func *f)
{
    return f->agg && f->sqlite_name && !strchr("BDNT", type_by_oid(f->result)->category);
}

/* What DISTINCT compares: of what becomes JSON, what it was before. */
static struct expr *compared_by(struct expr *arg)
{
    bool made = arg->kind == EXPR_FUNC && (arg->type == OID_JSON || arg->type == OID_JSONB) &&
                arg->call.func == json_value_func(arg->type);
    return made ? arg->args[0] : arg;
}

/* Is it the argument that was written so? It may have been cast then, which nobody wrote. */
static bool is_argument(const struct expr *arg, const struct expr *e, bool cast)
{
    while (!expr_equal(arg, e)) {
        if (arg->kind != EXPR_CAST || !cast)
            return false;
        arg = arg->args[0];
    }
    return true;
}

/* The argument that the i-th item of ORDER BY names. A cast that was written is no other's name. */
static struct expr *ordered_argument(const FuncCall *n, const struct expr *e, int i)
{
    bool written = IsA(((const SortBy *)list_nth(n->agg_order, i))->node, TypeCast);
    for (int k = 0; k < e->n_args; k++) {
        bool cast = k < list_length(n->args) && IsA(list_nth(n->args, k), TypeCast) == written;
        struct expr *arg = compared_by(e->args[k]);
        if (is_argument(arg, e->call.order[i].expr, cast))
            return arg;
    }
    return NULL;
}

static bool is_listed(const struct order_item *order, int n, const struct expr *e)
{
    for (int i = 0; i < n; i++) {
        if (expr_equal(order[i].expr, e))
            return true;
    }
    return false;
}

/* Rows that differ in no argument count once; PostgreSQL finds them by sorting, by all arguments.
 */
static struct error *distinct_order(struct analysis *a, const FuncCall *call, struct expr *e)
{
    struct order_item *order = ARENA_ARRAY(a->arena, struct order_item, e->n_args);
    int n = e->call.n_order;
    for (int i = 0; i < n; i++) {
        struct expr *found = ordered_argument(call, e, i);
        if (!found)
            return sql__at(a,
                           error_new("42P10", "in an aggregate with DISTINCT, ORDER BY expressions "
                                              "must appear in argument list"),
                           e->call.order[i].expr->position - 1);
        if (i < e->n_args) {
            order[i] = e->call.order[i];
            order[i].expr = found; /* what is equal has to come together */
        }
    }
    n = MIN(n, e->n_args);
    for (int i = 0; i < e->n_args; i++) {
        struct expr *arg = compared_by(e->args[i]);
        if (n < e->n_args && !is_listed(order, n, arg))
            order[n++] = (struct order_item){.expr = arg, .target = -1};
    }
    e->call.order = order;
    e->call.n_order = n;
    return NULL;
}

static struct error *agg_order(struct analysis *a, struct scope *s, const FuncCall *n,
                               struct expr *e)
{
    bool in_agg = s->in_agg;
    s->in_agg = true;
    TRY(sql__order(a, s, n->agg_order, &e->call.n_order, &e->call.order));
    s->in_agg = in_agg;
    const struct func *f = e->call.func;
    bool pairs = e->call.distinct && e->n_args > 1 && f->agg && f->sqlite_name;
    if (e->call.distinct && (n->agg_order || pairs || is_ordered(f)))
        TRY(distinct_order(a, n, e));
    if (!pairs && !is_ordered(f))
        e->call.n_order = 0;
    return NULL;
}

static struct error *aggregate(struct analysis *a, struct scope *s, const FuncCall *n,
                               struct expr *e, struct expr **ret)
{
    e->kind = EXPR_AGG;
    e->call.distinct = n->agg_distinct;
    TRY(filter(a, s, n, &e->call.filter));
    for (int i = 0; i < e->n_args && e->call.distinct; i++)
        TRY(sql__record_rules(a, compared_by(e->args[i]), "DISTINCT"));
    TRY(agg_order(a, s, n, e));
    if (e->call.distinct && !e->call.n_order && e->n_args > 1)
        return sql__unsupported(a, n->location, "Remove duplicates in a subquery first.",
                                "DISTINCT in this aggregate of several arguments is not supported");
    return keep_aggregate(a, s, e, ret);
}

/* ---- WITHIN GROUP -----------------------------------------------------------------------------
 */

/* The types of the direct arguments and the keys, in one list. */
static struct error *call_types(struct analysis *a, const FuncCall *n, const struct expr *e,
                                uint32_t types[FUNC_MAX_BOUND])
{
    if (e->n_args + e->call.n_order > FUNC_MAX_BOUND)
        return sql__at(
            a,
            error_new("54023", "cannot pass more than %d arguments to a function", FUNC_MAX_BOUND),
            n->location);
    for (int i = 0; i < e->n_args; i++)
        types[i] = e->args[i]->type;
    for (int i = 0; i < e->call.n_order; i++)
        types[e->n_args + i] = e->call.order[i].expr->type;
    return NULL;
}

static struct error *not_ordered(struct analysis *a, const FuncCall *n, const char *name,
                                 const struct expr *e)
{
    bool aggregate = func_exists(name, FUNC_AGGREGATE);
    enum func_kind kind = aggregate                        ? FUNC_AGGREGATE
                          : func_exists(name, FUNC_WINDOW) ? FUNC_WINDOW
                                                           : FUNC_SCALAR;
    uint32_t types[FUNC_MAX_BOUND];
    const struct func *f;
    TRY(call_types(a, n, e, types));
    TRY(sql__at(a, func_resolve(name, kind, types, e->n_args + e->call.n_order, &f), n->location));
    struct error *wrong =
        aggregate
            ? error_new("42809",
                        "%s is not an ordered-set aggregate, so it cannot have WITHIN GROUP", name)
            : error_new("42809", "WITHIN GROUP specified, but %s is not an aggregate function",
                        name);
    return sql__at(a, wrong, n->location);
}

/* A row that is not there is compared with those that are: each of its values with a key. */
static struct error *hypothetical(struct analysis *a, const FuncCall *n, const char *name,
                                  struct expr *e)
{
    const char *types = "";
    for (int i = 0; i < e->n_args + e->call.n_order; i++) {
        const struct expr *arg = i < e->n_args ? e->args[i] : e->call.order[i - e->n_args].expr;
        types = arena_printf(a->arena, "%s%s%s", types, i ? ", " : "", sql__type(a, arg->type));
    }
    if (e->n_args != e->call.n_order)
        return sql__at(
            a,
            error_hint(error_new("42883", "function %s(%s) does not exist", name, types),
                       "To use the hypothetical-set aggregate %s, the number of hypothetical "
                       "direct arguments (here %d) must match the number of ordering columns "
                       "(here %d).",
                       name, e->n_args, e->call.n_order),
            n->location);
    for (int i = 0; i < e->n_args; i++) {
        struct expr *pair[2] = {e->call.order[i].expr, e->args[i]};
        uint32_t type;
        TRY(sql__common_type(a, pair, 2, "WITHIN GROUP", &type));
        TRY(sql__coerce(a, pair[1], type, -1, CAST_IMPLICIT, &e->args[i]));
        TRY(sql__coerce(a, pair[0], type, -1, CAST_IMPLICIT, &e->call.order[i].expr));
    }
    return NULL;
}

/* Finds the row for the direct arguments and the keys together, and fits both to it. */
static struct error *bind_ordered(struct analysis *a, const FuncCall *n, const char *name,
                                  struct expr *e)
{
    int direct = e->n_args, all = direct + e->call.n_order;
    uint32_t types[FUNC_MAX_BOUND];
    struct expr *call = sql__new_call(a, EXPR_FUNC, n->location, all);
    const struct func *f;
    TRY(call_types(a, n, e, types));
    for (int i = 0; i < all; i++)
        call->args[i] = i < direct ? e->args[i] : e->call.order[i - direct].expr;
    TRY(sql__at(a, func_resolve(name, FUNC_ORDERED, types, all, &f), n->location));
    if (f->variadic)
        TRY(hypothetical(a, n, name, e));
    TRY(sql__bind_call(a, f, call));
    for (int i = 0; i < all && !f->variadic; i++)
        *(i < direct ? &e->args[i] : &e->call.order[i - direct].expr) = call->args[i];
    e->call.func = f;
    e->type = call->type;
    return NULL;
}

static struct error *ordered_call(struct analysis *a, struct scope *s, const FuncCall *n,
                                  const char *name, struct expr **ret)
{
    if (n->over)
        return sql__unsupported(a, n->location, "Compute it in a subquery.",
                                "OVER is not supported for ordered-set aggregate %s", name);
    struct expr *e = sql__new_call(a, EXPR_AGG, n->location, list_length(n->args));
    bool in_agg = s->in_agg;
    s->in_agg = true;
    for (int i = 0; i < e->n_args; i++)
        TRY(sql__expr(a, s, list_nth(n->args, i), &e->args[i]));
    TRY(sql__order(a, s, n->agg_order, &e->call.n_order, &e->call.order));
    s->in_agg = in_agg;
    if (!func_exists(name, FUNC_ORDERED))
        return not_ordered(a, n, name, e);
    TRY(bind_ordered(a, n, name, e));
    TRY(filter(a, s, n, &e->call.filter));
    return keep_aggregate(a, s, e, ret);
}

static struct error *window_call(struct analysis *a, struct scope *s, const FuncCall *n,
                                 struct expr *e, bool is_aggregate)
{
    if (n->agg_distinct)
        return sql__unsupported(a, n->location, "Remove duplicates in a subquery first.",
                                "DISTINCT is not implemented for window functions");
    if (n->agg_order)
        return sql__unsupported(a, n->location, "Sort in the window's definition.",
                                "aggregate ORDER BY is not implemented for window functions");
    if (n->agg_filter && !is_aggregate)
        return sql__unsupported(a, n->location, "Use CASE inside its argument.",
                                "FILTER is not implemented for non-aggregate window functions");
    e->kind = EXPR_WINDOW;
    TRY(filter(a, s, n, &e->call.filter));
    return sql__window(a, s, n->over, &e->call.window);
}

/* ntile(n), nth_value(x, n): SQLite's fail where n is NULL, PostgreSQL's are NULL then. */
static bool takes_number(const struct expr *e)
{
    const char *name = e->call.func->name;
    return (strcmp(name, "ntile") == 0 || strcmp(name, "nth_value") == 0) &&
           expr_nullable(e->args[e->n_args - 1]);
}

static struct expr *null_for_null(struct analysis *a, struct expr *e)
{
    struct expr **number = &e->args[e->n_args - 1];
    int at = e->position - 1;
    struct expr *test = sql__new_expr(a, EXPR_IS, OID_BOOL, at, 1);
    struct expr *any = sql__new_expr(a, EXPR_COALESCE, (*number)->type, at, 2);
    struct expr *ret = sql__new_expr(a, EXPR_CASE, e->type, at, 3);
    test->test = IS_NULL;
    test->args[0] = any->args[0] = *number;
    any->args[1] = sql__const_int(a, (*number)->type, 1);
    *number = any;
    ret->typmod = e->typmod;
    ret->args[0] = test;
    ret->args[1] = sql__const_null(a, e->type, at);
    ret->args[2] = e;
    return ret;
}

/* What is called for f(VARIADIC array): types/spread.c */
static const char *spread_name(const struct analysis *a, const char *name)
{
    return arena_printf(a->arena, "minisql_spread_%s", name);
}

static struct error *unsupported_form(const struct analysis *a, const FuncCall *n)
{
    const char *name = strVal(llast(n->funcname));
    if (n->func_variadic && !func_exists(spread_name(a, name), FUNC_SCALAR))
        return sql__unsupported(a, n->location, "Pass the arguments one by one.",
                                "VARIADIC arguments of function %s are not supported", name);
    return NULL;
}

/* ---- arguments by name, arguments left out ------------------------------------------------------
 */

static struct error *no_such_arguments(struct analysis *a, struct scope *s, const FuncCall *n,
                                       const char *name)
{
    const char *list = "";
    for (int i = 0; i < list_length(n->args); i++) {
        const Node *arg = list_nth(n->args, i);
        const char *label = "";
        struct expr *e;
        if (IsA(arg, NamedArgExpr)) {
            label = arena_printf(a->arena, "%s => ", ((const NamedArgExpr *)arg)->name);
            arg = (const Node *)((const NamedArgExpr *)arg)->arg;
        }
        TRY(sql__expr(a, s, arg, &e));
        list =
            arena_printf(a->arena, "%s%s%s%s", list, i ? ", " : "", label, sql__type(a, e->type));
    }
    return sql__at(
        a,
        error_hint(error_new("42883", "function %s(%s) does not exist", name, list),
                   "No function matches the given name and argument types. You might need to add "
                   "explicit type casts."),
        n->location);
}

static bool named_arguments(const FuncCall *n)
{
    for (int i = 0; i < list_length(n->args); i++)
        if (IsA(list_nth(n->args, i), NamedArgExpr))
            return true;
    return false;
}

/* The i'th of a list of arguments, and what follows its name; NULL: there are fewer. */
static const char *argument_at(const char *list, int i, size_t *ret_name, size_t *ret_all)
{
    for (; i > 0 && list; i--) {
        list = strchr(list, ',');
        list += list != NULL;
    }
    *ret_name = list ? strcspn(list, ",=") : 0;
    *ret_all = list ? strcspn(list, ",") : 0;
    return list;
}

static int argument_named(const char *list, const char *name)
{
    size_t len, all;
    const char *at;
    for (int i = 0; (at = argument_at(list, i, &len, &all)); i++)
        if (strlen(name) == len && strncmp(at, name, len) == 0)
            return i;
    return -1;
}

static const Node *text_node(struct analysis *a, const char *text, size_t n)
{
    A_Const *c = ARENA_NEW(a->arena, A_Const);
    c->type = T_A_Const;
    c->val.sval.type = T_String;
    c->val.sval.sval = arena_strndup(a->arena, text, n);
    c->location = -1;
    return (const Node *)c;
}

/* Positions come before names, and each name comes once. */
static struct error *check_names(struct analysis *a, const FuncCall *n)
{
    bool seen = false;
    for (int i = 0; i < list_length(n->args); i++) {
        const NamedArgExpr *arg = list_nth(n->args, i);
        if (seen && !IsA(arg, NamedArgExpr))
            return sql__at(a,
                           error_new(E_SYNTAX, "positional argument cannot follow named argument"),
                           sql__location((const Node *)arg));
        for (int k = 0; k < i && IsA(arg, NamedArgExpr); k++) {
            const NamedArgExpr *other = list_nth(n->args, k);
            if (IsA(other, NamedArgExpr) && strcmp(other->name, arg->name) == 0)
                return sql__at(
                    a, error_new(E_SYNTAX, "argument name \"%s\" used more than once", arg->name),
                    arg->location);
        }
        seen |= IsA(arg, NamedArgExpr);
    }
    return NULL;
}

/* The arguments in the order of the list; false: they don't fit it. */
static bool arrange(struct analysis *a, const FuncCall *n, const char *list, ListCell *ret,
                    int *ret_n)
{
    size_t len, all;
    const char *at;
    for (*ret_n = 0; *ret_n < FUNC_MAX_ARGS && argument_at(list, *ret_n, &len, &all); ++*ret_n)
        ret[*ret_n].ptr_value = NULL;
    for (int i = 0; i < list_length(n->args); i++) {
        Node *arg = list_nth(n->args, i);
        bool named = IsA(arg, NamedArgExpr);
        int to = named ? argument_named(list, ((NamedArgExpr *)arg)->name) : i;
        if (to < 0 || to >= *ret_n || ret[to].ptr_value)
            return false;
        ret[to].ptr_value = named ? (void *)((NamedArgExpr *)arg)->arg : arg;
    }
    for (int i = 0; i < *ret_n; i++) {
        if (ret[i].ptr_value)
            continue;
        at = argument_at(list, i, &len, &all);
        if (len == all)
            return false;
        ret[i].ptr_value = (void *)(uintptr_t)text_node(a, at + len + 1, all - len - 1);
    }
    return true;
}

/* A call with all arguments in their places. (make_interval has no row with fewer than all.) */
static struct error *positional(struct analysis *a, struct scope *s, const FuncCall *n,
                                const FuncCall **ret)
{
    const char *name = strVal(llast(n->funcname)), *list;
    bool named = named_arguments(n);
    *ret = n;
    if (!named && strcmp(name, "make_interval") != 0)
        return NULL;
    TRY(check_names(a, n));
    ListCell *cells = ARENA_ARRAY(a->arena, ListCell, FUNC_MAX_ARGS);
    for (int i = 0; (list = func_arguments(name, i)); i++) {
        int count;
        if (!arrange(a, n, list, cells, &count))
            continue;
        List *args = ARENA_NEW(a->arena, List);
        FuncCall *call = ARENA_NEW(a->arena, FuncCall);
        *args = (List){.type = T_List, .length = count, .max_length = count, .elements = cells};
        *call = *n;
        call->args = args;
        *ret = call;
        return NULL;
    }
    return no_such_arguments(a, s, n, name);
}

/* age(x) is age(current_date, x). *ret NULL: x is no such time. */
static struct error *age_of(struct analysis *a, struct scope *s, const FuncCall *n,
                            struct expr **ret)
{
    struct expr *args[2];
    const struct type *date = type_by_oid(OID_DATE);
    TRY(sql__expr(a, s, list_nth(n->args, 0), &args[1]));
    uint32_t type = args[1]->type == OID_TIMESTAMP ? OID_TIMESTAMP : OID_TIMESTAMPTZ;
    *ret = NULL;
    if (args[1]->type == OID_UNKNOWN)
        return sql__at(a,
                       error_hint(error_new("42725", "function age(unknown) is not unique"),
                                  "Could not choose a best candidate function. You might need to "
                                  "add explicit type casts."),
                       n->location);
    if (!sql__can_coerce(args[1], type, CAST_IMPLICIT))
        return NULL;
    args[0] = sql__hidden(a, HIDDEN_NOW, OID_TIMESTAMPTZ);
    TRY(sql__coerce(a, args[0], date->oid, -1, CAST_EXPLICIT, &args[0]));
    for (int i = 0; i < 2; i++)
        TRY(sql__coerce(a, args[i], type, -1, CAST_IMPLICIT, &args[i]));
    return sql__call_kind(a, "age", FUNC_SCALAR, args, 2, n->location, ret);
}

/* f(.., VARIADIC array): *name becomes that of the function over an array of text. */
static struct error *spread_array(struct analysis *a, const FuncCall *n, struct expr *e,
                                  const char **name)
{
    struct expr **last = &e->args[e->n_args - 1];
    const struct type *t = type_by_oid((*last)->type);
    bool literal = (*last)->type == OID_UNKNOWN && strstr(*name, "_path"); /* declared text[] */
    if (!literal && (!t || t->category != 'A'))
        return sql__at(a, error_new(E_TYPE_MISMATCH, "VARIADIC argument must be an array"),
                       (*last)->position - 1);
    bool typed = func_any_as(*name) != 0; /* takes items as they are */
    *name = spread_name(a, *name);
    if (typed)
        return NULL;
    if (t && t->element != OID_TEXT) /* items as they are printed: t, not true */
        TRY(sql__coerce(a, *last, OID_TEXT, -1, CAST_EXPLICIT, last));
    return sql__coerce(a, *last, OID_TEXT_ARRAY, -1, CAST_EXPLICIT, last);
}

/* ---- calls
 * --------------------------------------------------------------------------------------------------------
 */

static struct error *kind_rules(const struct analysis *a, const FuncCall *n, const char *name,
                                enum func_kind kind)
{
    const char *what = NULL;
    if (kind == FUNC_WINDOW && !n->over)
        return sql__at(a, error_new("42809", "window function %s requires an OVER clause", name),
                       n->location);
    if (kind == FUNC_SCALAR && n->over)
        return sql__at(
            a,
            error_new("42809",
                      "OVER specified, but %s is not a window function nor an aggregate function",
                      name),
            n->location);
    if (kind == FUNC_SCALAR && n->agg_filter)
        what = "FILTER";
    else if (kind != FUNC_AGGREGATE && n->agg_distinct)
        what = "DISTINCT";
    else if (kind != FUNC_AGGREGATE && n->agg_order)
        what = "ORDER BY";
    if (what)
        return sql__at(
            a, error_new("42809", "%s specified, but %s is not an aggregate function", what, name),
            n->location);
    if (kind == FUNC_AGGREGATE && !n->agg_star && !n->args && strcmp(name, "count") == 0)
        return sql__at(
            a,
            error_new("42809", "count(*) must be used to call a parameterless aggregate function"),
            n->location);
    return NULL;
}

/* Constants, and parameters that the client sends. */
static bool are_known(const struct expr *e)
{
    for (int i = 0; i < e->n_args; i++)
        if (e->args[i]->kind != EXPR_CONST &&
            (e->args[i]->kind != EXPR_PARAM || e->args[i]->param < 0))
            return false;
    return true;
}

/* A call that the session answers before the statement runs, wherever that may be. A setting that
 * is missing is an error where a row asks for it: minisql_setting(name, value or NULL, may miss) */
static struct error *of_session(struct analysis *a, struct expr *call, struct expr **ret)
{
    bool setting = strcmp(call->call.func->name, "current_setting") == 0;
    struct expr *may_miss = call->n_args == 2 ? call->args[1] : sql__const_int(a, OID_BOOL, 0);
    if (setting) {
        call->args[1] = sql__const_int(a, OID_BOOL, 1); /* there is room for one more */
        call->n_args = 2;
        const uint32_t types[] = {OID_TEXT, OID_BOOL};
        TRY(func_resolve("current_setting", FUNC_SCALAR, types, 2, &call->call.func));
    }
    *ret = sql__hidden_call(a, call);
    (*ret)->position = call->position;
    if (!setting)
        return NULL;
    struct expr *e = sql__new_call(a, EXPR_FUNC, call->position - 1, 3);
    const uint32_t types[] = {OID_TEXT, OID_TEXT, OID_BOOL};
    e->args[0] = call->args[0];
    e->args[1] = *ret;
    e->args[2] = may_miss;
    TRY(func_resolve("minisql_setting", FUNC_SCALAR, types, 3, &e->call.func));
    e->type = OID_TEXT;
    *ret = e;
    return NULL;
}

/* What was called with its schema, or by a syntax of its own, is told of with that. */
static struct error *by_called_name(const FuncCall *n, struct error *e)
{
    static const char before[] = "function ";
    const size_t len = strlen(before);
    if (list_length(n->funcname) < 2 || strncmp(e->message, before, len) != 0)
        return e;
    const char *schema = strVal(list_nth(n->funcname, list_length(n->funcname) - 2));
    if (strcmp(schema, "pg_catalog") != 0) /* see function_name() */
        return e;
    struct buf b = {0};
    buf_printf(&b, "%spg_catalog.%s", before, e->message + len);
    mem_free(e->message);
    e->message = b.data;
    return e;
}

static struct error *resolve(struct analysis *a, struct scope *s, const FuncCall *n,
                             const char *name, enum func_kind kind, struct expr **ret)
{
    int nargs = list_length(n->args);
    struct expr *e = sql__new_call(a, EXPR_FUNC, n->location, nargs);
    uint32_t *types = ARENA_ARRAY(a->arena, uint32_t, MAX(nargs, 1));
    bool in_agg = s && s->in_agg, in_window = s && s->in_window;
    if ((kind == FUNC_AGGREGATE || kind == FUNC_WINDOW) && s) {
        s->in_agg |= !n->over;
        s->in_window |= n->over != NULL;
    }
    bool takes_json = func_any_as(name) != 0, row = false, rows = false;
    const char *between = ",";
    if (takes_json)
        TRY(sql__json_between(a, name, n->args, &between));
    for (int i = 0; i < nargs; i++) {
        const Node *arg = list_nth(n->args, i);
        bool select = takes_json && sql__is_row_select(arg);
        row = takes_json && (select || sql__is_row(a, s, arg));
        if (takes_json && !row)
            arg = sql__json_rows(a, s, arg);
        bool sequence = i == 0 && kind == FUNC_SCALAR && sql__names_sequence(name);
        TRY(select ? sql__json_row_select(a, s, name, n->args, i, &e->args[i])
            : row  ? sql__json_row(a, s, arg, between, &e->args[i])
                   : sql__expr(a, s, sequence ? sql__without_regclass(arg) : arg, &e->args[i]));
        if (sequence)
            TRY(sql__sequence_argument(a, name, &e->args[i]));
        types[i] = e->args[i]->type;
        const struct type *t = type_by_oid(types[i]);
        if (takes_json && t && t->element == OID_RECORD)
            TRY(sql__as_json(a, e->args[i], func_any_as(name), &e->args[i]));
        rows |= row;
    }
    if (n->func_variadic && nargs) {
        TRY(spread_array(a, n, e, &name));
        types[nargs - 1] = e->args[nargs - 1]->type;
    }
    a->q->reads_drawn |= strcmp(name, "currval") == 0 || strcmp(name, "lastval") == 0;
    if (takes_json && nargs)
        name = sql__json_variant(name, e->args[0], rows);
    if (s) {
        s->in_agg = in_agg;
        s->in_window = in_window;
    }
    if (nargs == 1 && kind == FUNC_SCALAR) {
        TRY(cast_function(a, name, e->args[0], ret));
        if (*ret)
            return NULL;
    }
    const struct func *f;
    struct error *err = func_resolve(name, kind, types, nargs, &f);
    if (err && n->func_variadic) {
        error_free(err);
        return no_such_arguments(a, s, n, strVal(llast(n->funcname)));
    }
    if (!err && kind == FUNC_ORDERED)
        err = error_new("42809", "WITHIN GROUP is required for ordered-set aggregate %s", f->name);
    if (err)
        return sql__at(a, by_called_name(n, err), n->location);
    bool system = a->q->system, volatile_ = a->q->volatile_;
    TRY(sql__bind_call(a, f, e));
    a->sets_config |= strcmp(name, "set_config") == 0;
    if (f->session && !a->as_written && !n->over && !a->sets_config && are_known(e)) {
        a->q->system = system;
        a->q->volatile_ = volatile_;
        return of_session(a, e, ret);
    }
    a->q->literals_matter |= f->session && a->ctx->lifted; /* 'app.' || 'user' is known then */
    if (kind == FUNC_AGGREGATE && !n->over)
        return aggregate(a, s, n, e, ret);
    if (n->over)
        TRY(window_call(a, s, n, e, kind == FUNC_AGGREGATE));
    else
        sql__simplify(a, e);
    *ret = n->over && takes_number(e) ? null_for_null(a, e) : e;
    return NULL;
}

/* Its name alone; with the schema where no function is in that, so that none is found.
 * information_schema has functions of its own, whose names begin so. */
static struct error *function_name(const struct analysis *a, const FuncCall *n, const char **ret)
{
    int parts = list_length(n->funcname);
    const char *schema = parts > 1 ? strVal(list_nth(n->funcname, parts - 2)) : "pg_catalog";
    const char *name = strVal(llast(n->funcname)), *other = sql_extension_schema(name);
    bool there = strcmp(schema, "pg_catalog") == 0 ||
                 (strcmp(schema, "information_schema") == 0 && strncmp(name, "_pg_", 4) == 0);
    if (!there && !(a->ctx->view && catalog_schema(a->ctx->view, schema)))
        return sql__at(a, sql__no_schema(schema), n->location);
    there |= other && strcmp(schema, other) == 0;
    *ret = there ? arena_strdup(a->arena, name) : arena_printf(a->arena, "%s.%s", schema, name);
    return NULL;
}

struct error *sql__set_call(struct analysis *a, struct scope *s, const FuncCall *n,
                            struct expr **ret)
{
    const char *name;
    TRY(function_name(a, n, &name));
    TRY(unsupported_form(a, n));
    TRY(kind_rules(a, n, name, FUNC_SCALAR));
    TRY(positional(a, s, n, &n));
    return resolve(a, s, n, name, FUNC_SET, ret);
}

struct error *sql__func_call(struct analysis *a, struct scope *s, const FuncCall *n,
                             struct expr **ret)
{
    const char *name;
    TRY(function_name(a, n, &name));
    TRY(unsupported_form(a, n));
    TRY(session_function(a, name, list_length(n->args), n->location, ret));
    if (*ret)
        return NULL;
    if (func_exists(name, FUNC_SET)) {
        struct rte *r;
        int column;
        if (func_gives_record(name))
            return sql__row_value(a, s, (const Node *)n, ret);
        TRY(sql__set_call(a, s, n, ret));
        TRY(sql__project_set(a, s, *ret, &r, &column));
        *ret = sql__column(a, r, column, n->location);
        return NULL;
    }
    TRY(positional(a, s, n, &n));
    if (strcmp(name, "age") == 0 && list_length(n->args) == 1 && !n->over && !n->agg_filter) {
        TRY(age_of(a, s, n, ret));
        if (*ret)
            return NULL;
    }
    if (n->agg_within_group && s)
        return ordered_call(a, s, n, name, ret);
    enum func_kind kind = func_exists(name, FUNC_AGGREGATE) ? FUNC_AGGREGATE
                          : func_exists(name, FUNC_WINDOW)  ? FUNC_WINDOW
                          : func_exists(name, FUNC_ORDERED) ? FUNC_ORDERED
                                                            : FUNC_SCALAR;
    if ((kind == FUNC_AGGREGATE || kind == FUNC_ORDERED) && !s)
        return check_aggregate(a, s, n->location);
    if (kind == FUNC_SCALAR && (!func_exists(name, kind) || n->agg_star))
        return resolve(a, s, n, name, kind, ret); /* a cast, or none at all */
    TRY(kind_rules(a, n, name, kind));
    if (n->agg_star && kind != FUNC_AGGREGATE)
        return sql__at(
            a,
            error_new("42809", "%s(*) specified, but %s is not an aggregate function", name, name),
            n->location);
    if (n->over)
        TRY(check_window(a, s, n->location));
    return resolve(a, s, n, name, kind, ret);
}

/* ---- subqueries
 * -----------------------------------------------------------------------------------------------------
 */

static struct error *left_side(struct analysis *a, struct scope *s, const Node *test,
                               struct list *ret)
{
    struct expr *e;
    if (!sql__is_row(a, s, test)) {
        TRY(sql__expr(a, s, test, &e));
        sql__push(a->arena, ret, e);
        return NULL;
    }
    struct target *fields;
    int n;
    TRY(sql__row_fields(a, s, test, &n, &fields));
    for (int i = 0; i < n; i++)
        sql__push(a->arena, ret, fields[i].expr);
    return NULL;
}

/* Fits column i of the subquery and the left side to their operator. */
static struct error *compare_column(struct analysis *a, struct expr *e, int i, const char *op,
                                    struct select *sel, const struct func **ret)
{
    struct expr *types[2] = {e->args[i], sel->targets[i].expr};
    if (types[1]->type == OID_UNKNOWN) {
        TRY(sql__coerce_select_column(a, sel, i, OID_TEXT));
        types[1] = sel->targets[i].expr;
    }
    uint32_t oids[2] = {types[0]->type, types[1]->type};
    struct error *err =
        func_resolve(strcmp(op, "!=") == 0 ? "<>" : op, FUNC_OPERATOR, oids, 2, ret);
    if (err)
        return sql__at(a, err, e->position - 1);
    struct binding b;
    TRY(sql__at(a, func_bind(*ret, oids, 2, &b), e->position - 1));
    TRY(sql__coerce(a, e->args[i], b.args[0], -1, CAST_IMPLICIT, &e->args[i]));
    if (types[1]->type != b.args[1])
        TRY(sql__coerce_select_column(a, sel, i, b.args[1]));
    return NULL;
}

/* The left side and the subquery, fitted to each other column by column. */
static struct error *compared(struct analysis *a, struct scope *s, const Node *test,
                              struct select *sel, const char *op, int location, struct expr **ret)
{
    struct list left = {0};
    TRY(left_side(a, s, test, &left));
    if (left.n != sel->n_targets)
        return sql__at(a,
                       error_new(E_SYNTAX, left.n < sel->n_targets
                                               ? "subquery has too many columns"
                                               : "subquery has too few columns"),
                       location);
    struct expr *e = sql__new_expr(a, EXPR_SUBQUERY, OID_BOOL, location, left.n);
    memcpy(e->args, left.items, sizeof(void *) * (size_t)left.n);
    e->sub.select = sel;
    for (int i = 0; i < left.n; i++) {
        if (sql__returns_set(s, left.items[i]))
            return sql__at(
                a, error_new(E_TYPE_MISMATCH, "row comparison operator must not return a set"),
                location);
    }
    for (int i = left.n; i-- > 0;) {
        TRY(compare_column(a, e, i, op, sel, &e->sub.func));
        if (left.n > 1 && !e->sub.func->emit) /* SQLite compares rows by itself */
            return sql__unsupported(a, location, "Cast both sides to one type.",
                                    "comparing a row of type %s with a subquery is not supported",
                                    sql__type(a, e->args[i]->type));
    }
    *ret = e;
    return NULL;
}

static struct error *any_all(struct analysis *a, struct scope *s, const SubLink *n,
                             struct select *sel, struct expr **ret)
{
    bool all = n->subLinkType == ALL_SUBLINK;
    const char *op = n->operName ? strVal(llast(n->operName)) : "=";
    struct expr *e;
    TRY(compared(a, s, n->testexpr, sel, op, n->location, &e));
    bool is_in = !all && strcmp(op, "=") == 0;
    bool not_in = all && (strcmp(op, "<>") == 0 || strcmp(op, "!=") == 0);
    e->sub.kind = is_in    ? SUBQUERY_IN
                  : not_in ? SUBQUERY_NOT_IN
                  : all    ? SUBQUERY_ALL
                           : SUBQUERY_ANY;
    *ret = e;
    return NULL;
}

struct error *sql__row_sublink(struct analysis *a, struct scope *s, const Node *row,
                               const SubLink *n, const char *op, int location, struct expr **ret)
{
    struct select *sel;
    TRY(sql__select(a, s, (const SelectStmt *)n->subselect, &sel));
    TRY(compared(a, s, row, sel, op, location, ret));
    (*ret)->sub.kind = SUBQUERY_ROW;
    return NULL;
}

struct error *sql__sublink(struct analysis *a, struct scope *s, const SubLink *n, struct expr **ret)
{
    struct select *sel;
    static const char *const refused[] = {[CLAUSE_CHECK] = "check constraint",
                                          [CLAUSE_DOMAIN] = "check constraint",
                                          [CLAUSE_INDEX_PREDICATE] = "index predicate",
                                          [CLAUSE_INDEX_EXPRESSION] = "index expression",
                                          [CLAUSE_GENERATED] = "column generation expression",
                                          [CLAUSE_TRANSFORM] = "transform expression",
                                          [CLAUSE_DEFAULT] = "DEFAULT expression",
                                          [CLAUSE_EXECUTE] = "EXECUTE parameter"};
    if (s && s->clause < ARRAY_LEN(refused) && refused[s->clause])
        return sql__at(a, error_new(E_UNSUPPORTED, "cannot use subquery in %s", refused[s->clause]),
                       n->location);
    if (n->subLinkType == MULTIEXPR_SUBLINK)
        return sql__unsupported(a, n->location, "Assign the columns one by one.",
                                "this kind of subquery is not supported");
    TRY(sql__select(a, s, (const SelectStmt *)n->subselect, &sel));
    if (n->subLinkType == ANY_SUBLINK || n->subLinkType == ALL_SUBLINK)
        return any_all(a, s, n, sel, ret);
    bool exists = n->subLinkType == EXISTS_SUBLINK;
    if (!exists && sel->n_targets != 1)
        return sql__at(a, error_new(E_SYNTAX, "subquery must return only one column"), n->location);
    for (int i = 0; i < sel->n_targets; i++) {
        if (sel->targets[i].expr->type == OID_UNKNOWN)
            TRY(sql__coerce_select_column(a, sel, i, OID_TEXT));
    }
    if (n->subLinkType == ARRAY_SUBLINK)
        return sql__array_select(a, sel, n->location, ret);
    struct expr *e = sql__new_expr(a, EXPR_SUBQUERY, OID_BOOL, n->location, 0);
    e->sub.kind = exists ? SUBQUERY_EXISTS : SUBQUERY_SCALAR;
    e->sub.select = sel;
    if (!exists) {
        e->type = sel->targets[0].expr->type;
        e->typmod = sel->targets[0].expr->typmod;
        e->domain = sel->targets[0].expr->domain;
    }
    *ret = e;
    return NULL;
}
