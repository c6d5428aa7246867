/*
 * Running SQL/JSON paths, as PostgreSQL 15 does. A path turns one item into a sequence of items;
 * lax mode takes arrays apart where an accessor wants no array, wraps what is none, and sees no
 * structural errors; a predicate is true, false, or unknown, which is what an error inside it makes
 * it.
 *
 * Errors travel as struct error: who asks silently (@?, @@, predicates) drops them.
 */
#include "types/json_path.h"
#include "types/regex.h"

enum truth { NO, YES, UNKNOWN };

struct sequence {
    const struct json **items;
    int n, cap;
};

/* What the item at hand is a part of: the root, the variables, or what keyvalue() has made. */
struct base {
    struct json *json;
    int64_t id;
    bool laid_out;
};

struct run {
    const struct json *root, *current, *variables;
    struct base root_base, variables_base, *base;
    int64_t next_base;
    struct arena *arena;
    bool lax, forgiving; /* structural errors are no errors */
    bool quiet;          /* nobody asks for errors */
    bool zoned;          /* the session's time zone may be used */
    bool hard;           /* there was an error that is told to whoever asks silently, too */
    int array_size;      /* of the innermost subscript; < 0: none */
    int depth;
};

/* What one step does with its item. `found`: NULL: it is enough to know whether there is one, which
 * *any says. */
static struct error *step(struct run *r, const struct path *p, const struct json *j, bool unwrap,
                          struct sequence *found, bool *any);
static struct error *predicate(struct run *r, const struct path *p, const struct json *j,
                               enum truth *ret);

static void push(struct run *r, struct sequence *s, const struct json *j)
{
    if (s->n == s->cap) {
        int cap = s->cap ? s->cap * 2 : 8;
        const struct json **grown = ARENA_ARRAY(r->arena, const struct json *, cap);
        if (s->n)
            memcpy(grown, s->items, sizeof(*grown) * (size_t)s->n);
        s->items = grown;
        s->cap = cap;
    }
    s->items[s->n++] = j;
}

static struct error *wrong(const char *sqlstate, const char *message)
{
    return error_new(sqlstate, "%s", message);
}

/* Gives the item to the rest of the path, or to the result. */
static struct error *go_on(struct run *r, const struct path *next, const struct json *j,
                           struct sequence *found, bool *any)
{
    if (next)
        return step(r, next, j, r->lax, found, any);
    *any = true;
    if (found)
        push(r, found, j);
    return NULL;
}

/* Each child of a container, down to level `last`; those from level `first` on go on. */
static struct error *children(struct run *r, const struct path *next, const struct json *j,
                              int level, int first, int last, bool forgiving, bool unwrap,
                              struct sequence *found, bool *any)
{
    for (int i = 0; i < j->n && level <= last; i++) {
        const struct json *item = &j->items[i];
        bool leaf = item->kind < JSON_ARRAY;
        if (level >= first || (first == PATH_DEEPEST && last == PATH_DEEPEST && leaf)) {
            bool before = r->forgiving;
            r->forgiving |= forgiving;
            struct error *e =
                next ? step(r, next, item, unwrap, found, any) : go_on(r, NULL, item, found, any);
            r->forgiving = before;
            if (e || (*any && !found))
                return e;
        }
        if (level < last && !leaf) {
            TRY(children(r, next, item, level + 1, first, last, forgiving, unwrap, found, any));
            if (*any && !found)
                return NULL;
        }
    }
    return NULL;
}

static struct error *unwrapped(struct run *r, const struct path *p, const struct json *array,
                               struct sequence *found, bool *any)
{
    return children(r, p, array, 1, 1, 1, false, false, found, any);
}

/* The sequence of a path, with its arrays taken apart in lax mode where `unwrap` says so. */
static struct error *all_of(struct run *r, const struct path *p, const struct json *j, bool unwrap,
                            struct sequence *ret)
{
    struct sequence plain = {0};
    bool any = false;
    if (!unwrap || !r->lax)
        return step(r, p, j, r->lax, ret, &any);
    TRY(step(r, p, j, r->lax, &plain, &any));
    for (int i = 0; i < plain.n; i++) {
        const struct json *item = plain.items[i];
        if (item->kind == JSON_ARRAY) {
            for (int k = 0; k < item->n; k++)
                push(r, ret, &item->items[k]);
        } else {
            push(r, ret, item);
        }
    }
    return NULL;
}

/* ---- predicates ---------------------------------------------------------------------------------
 */

/* What no predicate makes unknown. */
static bool is_hard(const struct run *r, const struct error *e)
{
    return r->hard || error_is(e, "42704") || error_is(e, "54001");
}

static enum truth truth_of(bool b)
{
    return b ? YES : NO;
}

static enum truth truth_of_order(enum path_kind op, int order)
{
    switch (op) {
    case PATH_EQUAL:
        return truth_of(order == 0);
    case PATH_NOT_EQUAL:
        return truth_of(order != 0);
    case PATH_LESS:
        return truth_of(order < 0);
    case PATH_GREATER:
        return truth_of(order > 0);
    case PATH_LESS_EQUAL:
        return truth_of(order <= 0);
    default:
        return truth_of(order >= 0);
    }
}

static struct error *compare(struct run *r, enum path_kind op, const struct json *x,
                             const struct json *y, enum truth *ret)
{
    bool comparable = true;
    int order;
    *ret = UNKNOWN;
    if (x->kind != y->kind) {
        if (x->kind == JSON_NULL || y->kind == JSON_NULL)
            *ret = truth_of(op == PATH_NOT_EQUAL);
        return NULL;
    }
    if (x->kind >= JSON_ARRAY)
        return NULL;
    if (x->kind == JSON_MOMENT) {
        struct error *e = types__path_moment_compare(x, y, r->zoned, r->arena, &comparable, &order);
        r->hard |= e != NULL;
        if (e || !comparable)
            return e;
    } else {
        order = types__json_compare(x, y);
    }
    *ret = truth_of_order(op, order);
    return NULL;
}

static enum truth starts(const struct json *x, const struct json *y)
{
    if (x->kind != JSON_STRING || y->kind != JSON_STRING)
        return UNKNOWN;
    return truth_of(x->text.s.n >= y->text.s.n &&
                    memcmp(x->text.s.p, y->text.s.p, y->text.s.n) == 0);
}

static struct error *matches(const struct path *p, const struct json *x, enum truth *ret)
{
    struct regex *re;
    int flags;
    bool found;
    *ret = UNKNOWN;
    if (x->kind != JSON_STRING)
        return NULL;
    TRY(types__path_regex_flags(&p->flags, &flags));
    TRY(types__regex_get(&p->text, flags, &re));
    types__regex_text(re, &x->text);
    TRY(types__regex_matches(re, &found));
    *ret = truth_of(found);
    return NULL;
}

static struct error *test_pair(struct run *r, const struct path *p, const struct json *x,
                               const struct json *y, enum truth *ret)
{
    if (p->kind == PATH_LIKE)
        return matches(p, x, ret);
    if (p->kind != PATH_STARTS)
        return compare(r, p->kind, x, y, ret);
    *ret = starts(x, y);
    return NULL;
}

/* Drops an error that makes a predicate unknown. */
static struct error *or_unknown(const struct run *r, struct error *e, enum truth *ret)
{
    if (!e || is_hard(r, e))
        return e;
    error_free(e);
    *ret = UNKNOWN;
    return NULL;
}

/* Does it hold for a pair of both sides? In strict mode, for all pairs it has to be known. */
static struct error *some_pair(struct run *r, const struct path *p, const struct json *j,
                               enum truth *ret)
{
    struct sequence left = {0}, right = {0};
    bool unknown = false, found = false;
    TRY(all_of(r, p->left, j, true, &left));
    if (p->right)
        TRY(all_of(r, p->right, j, p->kind != PATH_STARTS, &right));
    for (int i = 0; i < left.n; i++) {
        for (int k = 0; k < (p->right ? right.n : 1); k++) {
            enum truth one = NO;
            TRY(test_pair(r, p, left.items[i], p->right ? right.items[k] : NULL, &one));
            unknown |= one == UNKNOWN;
            found |= one == YES;
            if (r->lax ? one == YES : one == UNKNOWN) {
                *ret = one;
                return NULL;
            }
        }
    }
    *ret = found ? YES : unknown ? UNKNOWN : NO;
    return NULL;
}

static struct error *exists(struct run *r, const struct path *p, const struct json *j,
                            enum truth *ret)
{
    struct sequence found = {0};
    bool any = false;
    TRY(step(r, p->left, j, r->lax, r->lax ? NULL : &found, &any));
    *ret = truth_of(any);
    return NULL;
}

static struct error *logic(struct run *r, const struct path *p, const struct json *j,
                           enum truth *ret)
{
    enum truth left, right, stop = p->kind == PATH_AND ? NO : YES;
    TRY(predicate(r, p->left, j, &left));
    *ret = left;
    if (left == stop)
        return NULL;
    TRY(predicate(r, p->right, j, &right));
    *ret = right == (stop == NO ? YES : NO) ? left : right;
    return NULL;
}

static struct error *predicate(struct run *r, const struct path *p, const struct json *j,
                               enum truth *ret)
{
    enum truth inner;
    bool before = r->quiet;
    struct error *e;
    switch (p->kind) {
    case PATH_AND:
    case PATH_OR:
        return logic(r, p, j, ret);
    case PATH_NOT:
        TRY(predicate(r, p->left, j, &inner));
        *ret = inner == UNKNOWN ? UNKNOWN : truth_of(inner == NO);
        return NULL;
    case PATH_IS_UNKNOWN:
        TRY(predicate(r, p->left, j, &inner));
        *ret = truth_of(inner == UNKNOWN);
        return NULL;
    default:
        r->quiet = true;
        e = p->kind == PATH_EXISTS ? exists(r, p, j, ret) : some_pair(r, p, j, ret);
        r->quiet = before;
        return or_unknown(r, e, ret);
    }
}

/* ---- values -------------------------------------------------------------------------------------
 */

static struct json *new_json(struct run *r, enum json_kind kind)
{
    struct json *j = ARENA_NEW(r->arena, struct json);
    j->kind = kind;
    return j;
}

static struct json *text_json(struct run *r, const char *text)
{
    struct json *j = new_json(r, JSON_STRING);
    j->text = value_text(text, strlen(text));
    return j;
}

static struct json *int_json(struct run *r, int64_t i)
{
    struct json *j = new_json(r, JSON_NUMBER);
    char *text = arena_printf(r->arena, "%lld", (long long)i);
    j->text = value_text(text, strlen(text));
    return j;
}

static struct error *call(struct run *r, const char *name, enum func_kind kind,
                          const struct value *args, int n, struct value *ret)
{
    static const uint32_t types[] = {OID_NUMERIC, OID_NUMERIC};
    const struct func *f;
    TRY(func_resolve(name, kind, types, n, &f));
    return f->call(args, n, r->arena, ret);
}

static struct error *arithmetic(struct run *r, const struct path *p, const struct json *j,
                                struct sequence *found, bool *any)
{
    const char *op = types__path_operators[p->kind];
    struct sequence left = {0}, right = {0};
    TRY(all_of(r, p->left, j, true, &left));
    TRY(all_of(r, p->right, j, true, &right));
    if (left.n != 1 || left.items[0]->kind != JSON_NUMBER)
        return error_new("22038",
                         "left operand of jsonpath operator %s is not a single numeric value", op);
    if (right.n != 1 || right.items[0]->kind != JSON_NUMBER)
        return error_new("22038",
                         "right operand of jsonpath operator %s is not a single numeric value", op);
    struct json *result = new_json(r, JSON_NUMBER);
    const struct value args[2] = {left.items[0]->text, right.items[0]->text};
    TRY(call(r, op, FUNC_OPERATOR, args, 2, &result->text));
    return go_on(r, p->next, result, found, any);
}

static struct error *sign(struct run *r, const struct path *p, const struct json *j,
                          struct sequence *found, bool *any)
{
    struct sequence operands = {0};
    bool minus = p->kind == PATH_MINUS;
    TRY(all_of(r, p->left, j, true, &operands));
    for (int i = 0; i < operands.n && (found || !*any); i++) {
        const struct json *x = operands.items[i];
        if (x->kind != JSON_NUMBER) {
            if (!found && !p->next)
                continue;
            return error_new("2203B",
                             "operand of unary jsonpath operator %s is not a numeric value",
                             minus ? "-" : "+");
        }
        struct json *result = new_json(r, JSON_NUMBER);
        result->text = x->text;
        if (minus)
            TRY(call(r, "-", FUNC_OPERATOR, &x->text, 1, &result->text));
        TRY(go_on(r, p->next, result, found, any));
    }
    return NULL;
}

static struct error *to_double(struct run *r, const struct json *j, struct json **ret)
{
    double number;
    _cleanup_(buf_done) struct buf text = {0};
    struct error *e = types__float_parse(j->text.s.p, j->text.s.n, false, &number);
    if (!e && (number - number != 0))
        e = error_new(E_OUT_OF_RANGE, "infinite");
    if (e) {
        bool is_text = j->kind == JSON_STRING;
        error_free(e);
        if (is_text)
            return wrong("22036", "string argument of jsonpath item method .double() is not a "
                                  "valid representation of a double precision number");
        return error_new("22036",
                         "numeric argument of jsonpath item method .double() is out of range for "
                         "type double precision");
    }
    if (j->kind == JSON_NUMBER) { /* only checked */
        *ret = new_json(r, JSON_NUMBER);
        (*ret)->text = j->text;
        return NULL;
    }
    types__float8_print(number, &text);
    *ret = new_json(r, JSON_NUMBER);
    return types__numeric_parse(text.data, text.len, -1, r->arena, &(*ret)->text);
}

static struct error *datetime(struct run *r, const struct path *p, const struct json *j,
                              struct sequence *found, bool *any)
{
    bool hard;
    if (j->kind != JSON_STRING)
        return wrong("22031", "jsonpath item method .datetime() can only be applied to a string");
    struct json *moment = new_json(r, JSON_MOMENT);
    struct error *e = types__path_moment(&j->text, &p->text, r->arena, moment, &hard);
    r->hard |= e && hard;
    return e ? e : go_on(r, p->next, moment, found, any);
}

/* ---- keyvalue() ---------------------------------------------------------------------------------
 * An object's id says in which base it lies, and where in it.
 */

enum { ROOT_BASE, VARIABLES_BASE };
#define BASE_SPACE INT64_C(10000000000)

static bool asks_key_value(const struct path *p)
{
    for (; p; p = p->next)
        if ((p->kind == PATH_METHOD && p->method == METHOD_KEYVALUE) || asks_key_value(p->left) ||
            asks_key_value(p->right))
            return true;
    return false;
}

/* Arrays and objects have a place in one base only. */
static struct json copy(struct run *r, const struct json *j)
{
    struct json c = *j;
    if (j->kind < JSON_ARRAY)
        return c;
    c.items = ARENA_ARRAY(r->arena, struct json, MAX(j->n, 1));
    for (int i = 0; i < j->n; i++)
        c.items[i] = copy(r, &j->items[i]);
    return c;
}

static struct json *pair(struct run *r, const struct value *key, const struct json *value,
                         int64_t id, bool deep)
{
    static const char *const names[] = {"id", "key", "value"};
    struct json *j = new_json(r, JSON_OBJECT);
    j->n = ARRAY_LEN(names);
    j->keys = ARENA_ARRAY(r->arena, struct value, ARRAY_LEN(names));
    j->items = ARENA_ARRAY(r->arena, struct json, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        j->keys[i] = value_text(names[i], strlen(names[i]));
    j->items[0] = *int_json(r, id);
    j->items[1] = (struct json){.kind = JSON_STRING, .text = *key};
    j->items[2] = deep ? copy(r, value) : *value;
    return j;
}

static struct error *key_value(struct run *r, const struct path *p, const struct json *j,
                               struct sequence *found, bool *any)
{
    struct base *base = r->base;
    bool deep = asks_key_value(p->next);
    if (j->kind != JSON_OBJECT)
        return wrong("2203C", "jsonpath item method .keyvalue() can only be applied to an object");
    if (!p->next && !found) {
        *any |= j->n > 0;
        return NULL;
    }
    if (!base->laid_out)
        types__json_lay_out(base->json);
    base->laid_out = true;
    int64_t id = base->id * BASE_SPACE + j->offset;
    for (int i = 0; i < j->n && (found || !*any); i++) {
        struct json *made = pair(r, &j->keys[i], &j->items[i], id, deep);
        struct base own = {.json = made, .id = r->next_base++};
        r->base = &own;
        struct error *e = go_on(r, p->next, made, found, any);
        r->base = base;
        if (e)
            return e;
    }
    return NULL;
}

/* ---- methods ------------------------------------------------------------------------------------
 */

static struct error *method(struct run *r, const struct path *p, const struct json *j, bool unwrap,
                            struct sequence *found, bool *any)
{
    const char *name = types__path_methods[p->method];
    if (p->method == METHOD_TYPE)
        return go_on(r, p->next,
                     text_json(r, j->kind == JSON_MOMENT ? types__path_moment_type(j)
                                                         : types__json_kind_name(j->kind)),
                     found, any);
    if (p->method == METHOD_SIZE) {
        if (j->kind != JSON_ARRAY && !r->lax && !r->forgiving)
            return wrong("22039", "jsonpath item method .size() can only be applied to an array");
        return go_on(r, p->next, int_json(r, j->kind == JSON_ARRAY ? j->n : 1), found, any);
    }
    if (unwrap && j->kind == JSON_ARRAY)
        return unwrapped(r, p, j, found, any);
    if (p->method == METHOD_DATETIME)
        return datetime(r, p, j, found, any);
    if (p->method == METHOD_KEYVALUE)
        return key_value(r, p, j, found, any);
    struct json *result = NULL;
    if (p->method == METHOD_DOUBLE && (j->kind == JSON_NUMBER || j->kind == JSON_STRING)) {
        TRY(to_double(r, j, &result));
    } else if (p->method == METHOD_DOUBLE) {
        return wrong("22036", "jsonpath item method .double() can only be applied to a string or "
                              "numeric value");
    } else if (j->kind != JSON_NUMBER) {
        return error_new("22036",
                         "jsonpath item method .%s() can only be applied to a numeric value", name);
    } else {
        result = new_json(r, JSON_NUMBER);
        TRY(call(r, name, FUNC_SCALAR, &j->text, 1, &result->text));
    }
    return go_on(r, p->next, result, found, any);
}

/* ---- accessors ----------------------------------------------------------------------------------
 */

static struct error *key(struct run *r, const struct path *p, const struct json *j, bool unwrap,
                         struct sequence *found, bool *any)
{
    if (j->kind == JSON_OBJECT) {
        const struct json *item = types__json_member(j, p->text.s.p, p->text.s.n);
        if (item)
            return go_on(r, p->next, item, found, any);
        if (r->forgiving)
            return NULL;
        return error_new("2203A", "JSON object does not contain key \"%.*s\"", (int)p->text.s.n,
                         p->text.s.p);
    }
    if (unwrap && j->kind == JSON_ARRAY)
        return unwrapped(r, p, j, found, any);
    return r->forgiving
               ? NULL
               : wrong("2203A", "jsonpath member accessor can only be applied to an object");
}

static struct error *any_key(struct run *r, const struct path *p, const struct json *j, bool unwrap,
                             struct sequence *found, bool *any)
{
    if (j->kind == JSON_OBJECT)
        return children(r, p->next, j, 1, 1, 1, false, r->lax, found, any);
    if (unwrap && j->kind == JSON_ARRAY)
        return unwrapped(r, p, j, found, any);
    return r->forgiving
               ? NULL
               : wrong("2203C",
                       "jsonpath wildcard member accessor can only be applied to an object");
}

static struct error *any_item(struct run *r, const struct path *p, const struct json *j,
                              struct sequence *found, bool *any)
{
    if (j->kind == JSON_ARRAY)
        return children(r, p->next, j, 1, 1, 1, false, r->lax, found, any);
    if (r->lax)
        return go_on(r, p->next, j, found, any);
    return r->forgiving
               ? NULL
               : wrong("22039", "jsonpath wildcard array accessor can only be applied to an array");
}

static struct error *subscript(struct run *r, const struct path *p, const struct json *j,
                               int64_t *ret)
{
    struct sequence found = {0};
    struct value whole;
    TRY(all_of(r, p, j, false, &found));
    if (found.n != 1 || found.items[0]->kind != JSON_NUMBER)
        return wrong("22033", "jsonpath array subscript is not a single numeric value");
    TRY(call(r, "trunc", FUNC_SCALAR, &found.items[0]->text, 1, &whole));
    struct error *e = types__numeric_to_int(&whole, 4, ret);
    if (!e)
        return NULL;
    error_free(e);
    return wrong("22033", "jsonpath array subscript is out of integer range");
}

static struct error *range(struct run *r, const struct path *p, const struct path *next,
                           const struct json *j, int size, struct sequence *found, bool *any)
{
    int64_t from, to;
    TRY(subscript(r, p->left, j, &from));
    to = from;
    if (p->right)
        TRY(subscript(r, p->right, j, &to));
    if (!r->forgiving && (from < 0 || from > to || to >= size))
        return wrong("22033", "jsonpath array subscript is out of bounds");
    for (int64_t i = MAX(from, 0); i <= MIN(to, size - 1) && (found || !*any); i++)
        TRY(go_on(r, next, j->kind == JSON_ARRAY ? &j->items[i] : j, found, any));
    return NULL;
}

static struct error *items(struct run *r, const struct path *p, const struct json *j,
                           struct sequence *found, bool *any)
{
    if (j->kind != JSON_ARRAY && !r->lax)
        return r->forgiving
                   ? NULL
                   : wrong("22039", "jsonpath array accessor can only be applied to an array");
    int before = r->array_size, size = j->kind == JSON_ARRAY ? j->n : 1;
    struct error *e = NULL;
    for (const struct path *one = p->left; one && !e && (found || !*any); one = one->next) {
        r->array_size = size;
        e = range(r, one, p->next, j, size, found, any);
    }
    r->array_size = before;
    return e;
}

static struct error *deep(struct run *r, const struct path *p, const struct json *j,
                          struct sequence *found, bool *any)
{
    if (p->first == 0) {
        bool before = r->forgiving;
        r->forgiving = true;
        struct error *e = go_on(r, p->next, j, found, any);
        r->forgiving = before;
        /* what is deeper counts, as in PostgreSQL */
        if (e && (!r->quiet || is_hard(r, e) || j->kind < JSON_ARRAY))
            return e;
        error_free(e);
        if (*any && !found)
            return NULL;
    }
    if (j->kind < JSON_ARRAY)
        return NULL;
    return children(r, p->next, j, 1, p->first, p->last, true, r->lax, found, any);
}

static struct error *filter(struct run *r, const struct path *p, const struct json *j, bool unwrap,
                            struct sequence *found, bool *any)
{
    if (unwrap && j->kind == JSON_ARRAY)
        return unwrapped(r, p, j, found, any);
    const struct json *before = r->current;
    enum truth truth = NO;
    r->current = j;
    struct error *e = predicate(r, p->left, j, &truth);
    r->current = before;
    if (e || truth != YES)
        return e;
    return go_on(r, p->next, j, found, any);
}

static struct error *on_base(struct run *r, const struct path *p, struct base *base,
                             const struct json *j, struct sequence *found, bool *any)
{
    struct base *before = r->base;
    r->base = base;
    struct error *e = go_on(r, p->next, j, found, any);
    r->base = before;
    return e;
}

static struct error *variable(struct run *r, const struct path *p, struct sequence *found,
                              bool *any)
{
    const struct json *v =
        r->variables ? types__json_member(r->variables, p->text.s.p, p->text.s.n) : NULL;
    if (!v)
        return error_new(E_UNDEFINED_OBJECT, "could not find jsonpath variable \"%.*s\"",
                         (int)p->text.s.n, p->text.s.p);
    return on_base(r, p, &r->variables_base, v, found, any);
}

static struct error *truth_as_item(struct run *r, const struct path *p, const struct json *j,
                                   struct sequence *found, bool *any)
{
    enum truth truth = NO;
    TRY(predicate(r, p, j, &truth));
    struct json *result = new_json(r, truth == UNKNOWN ? JSON_NULL : JSON_BOOL);
    result->truth = truth == YES;
    return go_on(r, p->next, result, found, any);
}

static struct error *one_step(struct run *r, const struct path *p, const struct json *j,
                              bool unwrap, struct sequence *found, bool *any)
{
    switch (p->kind) {
    case PATH_ROOT:
        return on_base(r, p, &r->root_base, r->root, found, any);
    case PATH_CURRENT:
        return go_on(r, p->next, r->current, found, any);
    case PATH_LAST:
        return go_on(r, p->next, int_json(r, r->array_size - 1), found, any);
    case PATH_VARIABLE:
        return variable(r, p, found, any);
    case PATH_LITERAL:
        return go_on(r, p->next, &p->literal, found, any);
    case PATH_KEY:
        return key(r, p, j, unwrap, found, any);
    case PATH_ANY_KEY:
        return any_key(r, p, j, unwrap, found, any);
    case PATH_ANY_ITEM:
        return any_item(r, p, j, found, any);
    case PATH_INDEX:
        return items(r, p, j, found, any);
    case PATH_DEEP:
        return deep(r, p, j, found, any);
    case PATH_FILTER:
        return filter(r, p, j, unwrap, found, any);
    case PATH_METHOD:
        return method(r, p, j, unwrap, found, any);
    case PATH_ADD:
    case PATH_SUBTRACT:
    case PATH_MULTIPLY:
    case PATH_DIVIDE:
    case PATH_MODULO:
        return arithmetic(r, p, j, found, any);
    case PATH_PLUS:
    case PATH_MINUS:
        return sign(r, p, j, found, any);
    default:
        return truth_as_item(r, p, j, found, any);
    }
}

static struct error *step(struct run *r, const struct path *p, const struct json *j, bool unwrap,
                          struct sequence *found, bool *any)
{
    if (++r->depth > 2000)
        return error_new("54001", "a jsonpath is nested too deeply");
    TRY(one_step(r, p, j, unwrap, found, any));
    r->depth--;
    return NULL;
}

/* ---- functions: (jsonb, jsonpath [, variables [, silent]])
 * ------------------------------------------ */

/* How a function was called. */
struct request {
    bool silent;
    bool zoned;    /* one of those named _tz */
    bool operator; /* and so there are not even empty variables */
};

/* *ret_hard: the error is told in any case. */
static struct error *run_path(const struct value *v, int n, const struct request *q,
                              struct arena *a, bool wants_all, struct sequence *ret, bool *any,
                              bool *ret_hard)
{
    *ret_hard = true;
    struct json *root = ARENA_NEW(a, struct json), *variables = ARENA_NEW(a, struct json);
    struct path *path;
    bool strict;
    TRY(types__json_read(&v[0], JSON_READ, a, root));
    TRY(types__path_read(&v[1], a, &strict, &path));
    if (n > 2) {
        TRY(types__json_read(&v[2], JSON_READ, a, variables));
        if (variables->kind != JSON_OBJECT)
            return error_detail(error_new("22023", "\"vars\" argument is not an object"),
                                "Jsonpath parameters should be encoded as key-value pairs of "
                                "\"vars\" object.");
    }
    struct run r = {.root = root,
                    .current = root,
                    .variables = n > 2 ? variables : NULL,
                    .root_base = {.json = root, .id = ROOT_BASE},
                    .variables_base = {.json = variables, .id = VARIABLES_BASE},
                    .next_base = VARIABLES_BASE + !q->operator,
                    .arena = a,
                    .quiet = q->silent,
                    .zoned = q->zoned,
                    .lax = !strict,
                    .forgiving = !strict,
                    .array_size = -1};
    r.base = &r.root_base;
    struct error *e = step(&r, path, root, r.lax, wants_all || strict ? ret : NULL, any);
    *ret_hard = e && is_hard(&r, e);
    return e;
}

static struct request request_of(const struct value *v, int n, bool zoned)
{
    return (struct request){.silent = n > 3 && v[3].i, .zoned = zoned};
}

static const struct request operator_request = {.silent = true, .operator= true };

/* .. without what a silent call doesn't tell; *ret_failed: there was an error. */
static struct error *run(const struct value *v, int n, const struct request *q, struct arena *a,
                         bool wants_all, struct sequence *ret, bool *any, bool *ret_failed)
{
    bool hard;
    struct error *e = run_path(v, n, q, a, wants_all, ret, any, &hard);
    *ret_failed = e != NULL;
    if (!e || !q->silent || hard)
        return e;
    error_free(e);
    return NULL;
}

static struct error *path_exists(const struct value *v, int n, struct request q, struct arena *a,
                                 struct value *ret)
{
    struct sequence found = {0};
    bool any = false, failed;
    *ret = (struct value){.kind = VALUE_NULL};
    TRY(run(v, n, &q, a, false, &found, &any, &failed));
    if (!failed)
        *ret = value_int(any);
    return NULL;
}

static struct error *path_match(const struct value *v, int n, struct request q, struct arena *a,
                                struct value *ret)
{
    struct sequence found = {0};
    bool any = false, failed;
    *ret = (struct value){.kind = VALUE_NULL};
    TRY(run(v, n, &q, a, true, &found, &any, &failed));
    const struct json *one = found.n == 1 ? found.items[0] : NULL;
    if (one && one->kind == JSON_BOOL)
        *ret = value_int(one->truth);
    else if (!q.silent && !(one && one->kind == JSON_NULL))
        return wrong("22038", "single boolean result is expected");
    return NULL;
}

/* What was found before an error that is not told counts. */
static struct error *query(const struct value *v, int n, struct request q, struct arena *a,
                           struct sequence *ret)
{
    bool any = false, failed;
    *ret = (struct sequence){0};
    return run(v, n, &q, a, true, ret, &any, &failed);
}

static struct error *path_query_array(const struct value *v, int n, struct request q,
                                      struct arena *a, struct value *ret)
{
    struct sequence found;
    TRY(query(v, n, q, a, &found));
    struct json array = {.kind = JSON_ARRAY, .n = found.n};
    array.items = ARENA_ARRAY(a, struct json, MAX(found.n, 1));
    for (int i = 0; i < found.n; i++)
        array.items[i] = *found.items[i];
    *ret = types__json_text(&array, a);
    return NULL;
}

static struct error *path_query_first(const struct value *v, int n, struct request q,
                                      struct arena *a, struct value *ret)
{
    struct sequence found;
    TRY(query(v, n, q, a, &found));
    *ret = (struct value){.kind = VALUE_NULL};
    if (found.n)
        *ret = types__json_text(found.items[0], a);
    return NULL;
}

static struct error *path_query(const struct value *v, int n, struct request q, struct arena *a,
                                void **ret)
{
    struct sequence found;
    struct set_list *l = ARENA_NEW(a, struct set_list);
    *ret = l;
    TRY(query(v, n, q, a, &found));
    l->n = (size_t)found.n;
    l->items = ARENA_ARRAY(a, struct value, MAX(found.n, 1));
    for (int i = 0; i < found.n; i++)
        l->items[i] = types__json_text(found.items[i], a);
    return NULL;
}

/* name and name_tz */
#define DEFINE_BOTH(name)                                                                          \
    static CALL(jsonb_##name)                                                                      \
    {                                                                                              \
        return name(v, n, request_of(v, n, false), a, ret);                                        \
    }                                                                                              \
    static CALL(jsonb_##name##_tz)                                                                 \
    {                                                                                              \
        return name(v, n, request_of(v, n, true), a, ret);                                         \
    }

DEFINE_BOTH(path_exists)
DEFINE_BOTH(path_match)
DEFINE_BOTH(path_query_array)
DEFINE_BOTH(path_query_first)

static CALL(jsonb_path_exists_op)
{
    return path_exists(v, n, operator_request, a, ret);
}

static CALL(jsonb_path_match_op)
{
    return path_match(v, n, operator_request, a, ret);
}

static struct error *jsonb_path_query(const struct value *v, int n, struct arena *a, void **ret)
{
    return path_query(v, n, request_of(v, n, false), a, ret);
}

static struct error *jsonb_path_query_tz(const struct value *v, int n, struct arena *a, void **ret)
{
    return path_query(v, n, request_of(v, n, true), a, ret);
}

/* ---- the type
 * -------------------------------------------------------------------------------------- */

struct error *types__jsonpath_parse(const struct type *self, const char *s, size_t n,
                                    int32_t typmod, struct arena *a, struct value *ret)
{
    const struct value text = value_text(s, n);
    _cleanup_(buf_done) struct buf out = {0};
    struct path *path;
    bool strict;
    TRY(types__utf8_check(s, n));
    TRY(types__path_read(&text, a, &strict, &path));
    types__path_write(path, strict, &out);
    *ret = types__text_of(a, &out);
    /* written, it may be nested deeper: 1 + 1 + 1 is ((1 + 1) + 1) */
    return out.len > PATH_MAX_DEPTH ? types__path_read(ret, a, &strict, &path) : NULL;
}

struct error *types__jsonpath_recv(const struct type *self, const char *s, size_t n, int32_t typmod,
                                   struct arena *a, struct value *ret)
{
    if (n == 0)
        return error_new("08P01", "no data left in message");
    if (*s != 1)
        return error_new(E_INTERNAL, "unsupported jsonpath version number: %d", (unsigned char)*s);
    return types__jsonpath_parse(self, s + 1, n - 1, typmod, a, ret);
}

/* ---- rows
 * ------------------------------------------------------------------------------------------ */

static const struct set query_set = {1, NULL, jsonb_path_query, types__set_list_next};
static const struct set query_tz_set = {1, NULL, jsonb_path_query_tz, types__set_list_next};

#define JB OID_JSONB
#define JP OID_JSONPATH
#define PATH_FUNC(fn, n_, r, tz)                                                                   \
    {                                                                                              \
        .name = #fn, .kind = FUNC_SCALAR, .nargs = n_, .args = {JB, JP, JB, OID_BOOL},             \
        .result = r, .strict = true, .stable = tz, .sqlite_name = #fn "_" #n_, .call = fn          \
    }
#define THREE(fn, r, tz) PATH_FUNC(fn, 2, r, tz), PATH_FUNC(fn, 3, r, tz), PATH_FUNC(fn, 4, r, tz)
#define QUERY(nm, n_, set_, tz)                                                                    \
    {                                                                                              \
        .name = nm, .kind = FUNC_SET, .nargs = n_, .args = {JB, JP, JB, OID_BOOL}, .result = JB,   \
        .strict = true, .stable = tz, .set = &set_                                                 \
    }
#define THREE_QUERIES(nm, set_, tz)                                                                \
    QUERY(nm, 2, set_, tz), QUERY(nm, 3, set_, tz), QUERY(nm, 4, set_, tz)

static const struct func rows[] = {
    BINARY("@?", JB, JP, OID_BOOL, "jsonb_path_exists_op", jsonb_path_exists_op),
    BINARY("@@", JB, JP, OID_BOOL, "jsonb_path_match_op", jsonb_path_match_op),
    THREE(jsonb_path_exists, OID_BOOL, false),
    THREE(jsonb_path_match, OID_BOOL, false),
    THREE(jsonb_path_query_array, JB, false),
    THREE(jsonb_path_query_first, JB, false),
    THREE_QUERIES("jsonb_path_query", query_set, false),
    THREE(jsonb_path_exists_tz, OID_BOOL, true),
    THREE(jsonb_path_match_tz, OID_BOOL, true),
    THREE(jsonb_path_query_array_tz, JB, true),
    THREE(jsonb_path_query_first_tz, JB, true),
    THREE_QUERIES("jsonb_path_query_tz", query_tz_set, true),
};

const struct func_rows types__json_path_funcs = {rows, ARRAY_LEN(rows)};
