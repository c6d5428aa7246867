/*
 * A jsonb out of another: || - #-, jsonb_set and its kin, pretty printing, without nulls.
 */
#include "types/json.h"

static struct error *read(const struct value *v, struct arena *a, struct json *ret)
{
    return types__json_read(v, JSON_READ, a, ret);
}

static bool is_scalar(const struct json *j)
{
    return j->kind < JSON_ARRAY;
}

static struct error *parameter(const char *message)
{
    return error_new("22023", "%s", message);
}

/* A container with room for `n` items, empty. */
static struct json empty(enum json_kind kind, int n, struct arena *a)
{
    struct json j = {.kind = kind};
    j.items = ARENA_ARRAY(a, struct json, MAX(n, 1));
    j.keys = kind == JSON_OBJECT ? ARENA_ARRAY(a, struct value, MAX(n, 1)) : NULL;
    return j;
}

static void push(struct json *j, const struct value *key, const struct json *item)
{
    if (key)
        j->keys[j->n] = *key;
    j->items[j->n++] = *item;
}

static const struct value *key_of(const struct json *j, int i)
{
    return j->kind == JSON_OBJECT ? &j->keys[i] : NULL;
}

static void push_all(struct json *to, const struct json *from)
{
    for (int i = 0; i < from->n; i++)
        push(to, key_of(from, i), &from->items[i]);
}

/* ---- ||
 * -------------------------------------------------------------------------------------------- */

static void push_as_items(struct json *to, const struct json *from)
{
    if (from->kind == JSON_ARRAY)
        push_all(to, from);
    else
        push(to, NULL, from);
}

/* Objects: the members of both. Else arrays, where what is no array counts as one item. */
static CALL(jsonb_concat)
{
    struct json x, y;
    TRY(read(&v[0], a, &x));
    TRY(read(&v[1], a, &y));
    bool objects = x.kind == JSON_OBJECT && y.kind == JSON_OBJECT;
    struct json sum = empty(objects ? JSON_OBJECT : JSON_ARRAY, MAX(x.n, 1) + MAX(y.n, 1), a);
    if (objects) {
        push_all(&sum, &x);
        push_all(&sum, &y);
        types__json_sort(&sum, a);
    } else {
        push_as_items(&sum, &x);
        push_as_items(&sum, &y);
    }
    *ret = types__json_text(&sum, a);
    return NULL;
}

/* ---- deleting
 * -------------------------------------------------------------------------------------- */

static bool is_among(const struct value *text, const struct value *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (keys[i].kind != VALUE_NULL && keys[i].s.n == text->s.n &&
            memcmp(keys[i].s.p, text->s.p, text->s.n) == 0)
            return true;
    }
    return false;
}

/* Without the members of these names, or the strings among the items. */
static struct error *delete_keys(const struct value *v, const struct value *keys, size_t n,
                                 struct arena *a, struct value *ret)
{
    struct json j;
    TRY(read(v, a, &j));
    if (is_scalar(&j))
        return parameter("cannot delete from scalar");
    struct json left = empty(j.kind, j.n, a);
    for (int i = 0; i < j.n; i++) {
        const struct value *text = key_of(&j, i);
        if (!text && j.items[i].kind == JSON_STRING)
            text = &j.items[i].text;
        if (!text || !is_among(text, keys, n))
            push(&left, key_of(&j, i), &j.items[i]);
    }
    *ret = types__json_text(&left, a);
    return NULL;
}

static CALL(jsonb_delete)
{
    return delete_keys(v, &v[1], 1, a, ret);
}

static CALL(jsonb_delete_array)
{
    struct array keys;
    TRY(types__json_path_read(&v[1], a, &keys));
    return delete_keys(v, keys.items, keys.n, a, ret);
}

static CALL(jsonb_delete_index)
{
    struct json j;
    TRY(read(v, a, &j));
    if (is_scalar(&j))
        return parameter("cannot delete from scalar");
    if (j.kind == JSON_OBJECT)
        return parameter("cannot delete from object using integer index");
    int64_t at = v[1].i < 0 ? v[1].i + j.n : v[1].i;
    struct json left = empty(JSON_ARRAY, j.n, a);
    for (int i = 0; i < j.n; i++) {
        if (i != at)
            push(&left, NULL, &j.items[i]);
    }
    *ret = types__json_text(&left, a);
    return NULL;
}

/* ---- at a path
 * ------------------------------------------------------------------------------------- */

enum {
    REPLACE = 1,
    CREATE = 2,
    BEFORE = 4,
    AFTER = 8,
    DELETE = 16,
    ADDS = CREATE | BEFORE | AFTER
};

struct edit {
    const struct value *path;
    int n, how;
    const struct json *item; /* the new one */
    struct arena *arena;
};

static struct error *edit(const struct edit *e, int level, const struct json *j, struct json *ret);

static struct error *edit_object(const struct edit *e, int level, const struct json *j,
                                 struct json *ret)
{
    const struct value *key = &e->path[level];
    bool last = level == e->n - 1, found = false;
    *ret = empty(JSON_OBJECT, j->n + 1, e->arena);
    for (int i = 0; i < j->n; i++) {
        struct json item = j->items[i];
        bool here = !found && is_among(&j->keys[i], key, 1);
        found |= here;
        if (here && !last)
            TRY(edit(e, level + 1, &j->items[i], &item));
        if (here && last && e->how & (BEFORE | AFTER))
            return error_hint(parameter("cannot replace existing key"),
                              "Try using the function jsonb_set to replace key value.");
        if (here && last && e->how & DELETE)
            continue;
        push(ret, &j->keys[i], here && last ? e->item : &item);
    }
    if (!found && last && e->how & ADDS) {
        push(ret, key, e->item);
        types__json_sort(ret, e->arena);
    }
    return NULL;
}

static struct error *edit_array(const struct edit *e, int level, const struct json *j,
                                struct json *ret)
{
    bool last = level == e->n - 1, done = false;
    int64_t at;
    if (!types__json_index(&e->path[level], &at))
        return error_new(E_BAD_TEXT, "path element at position %d is not an integer: \"%.*s\"",
                         level + 1, (int)e->path[level].s.n, e->path[level].s.p);
    if (at < 0)
        at = -at > j->n ? INT32_MIN : j->n + at;
    *ret = empty(JSON_ARRAY, j->n + 1, e->arena);
    if ((at == INT32_MIN || j->n == 0) && last && e->how & ADDS) {
        push(ret, NULL, e->item);
        done = true;
    }
    for (int i = 0; i < j->n; i++) {
        struct json item = j->items[i];
        if (i != at) {
            push(ret, NULL, &item);
            continue;
        }
        done = true;
        if (!last)
            TRY(edit(e, level + 1, &j->items[i], &item));
        if (last && e->how & (BEFORE | CREATE))
            push(ret, NULL, e->item);
        if (!last || e->how & (BEFORE | AFTER))
            push(ret, NULL, &item);
        if (last && e->how & (AFTER | REPLACE))
            push(ret, NULL, e->item);
    }
    if (!done && last && e->how & ADDS)
        push(ret, NULL, e->item);
    return NULL;
}

static struct error *edit(const struct edit *e, int level, const struct json *j, struct json *ret)
{
    if (e->path[level].kind == VALUE_NULL)
        return error_new("22004", "path element at position %d is null", level + 1);
    if (j->kind == JSON_OBJECT)
        return edit_object(e, level, j, ret);
    if (j->kind == JSON_ARRAY)
        return edit_array(e, level, j, ret);
    *ret = *j;
    return NULL;
}

/* (target, path, new item), `how` at the end of the path */
static struct error *edit_at(const struct value *v, const struct value *item, int how,
                             struct arena *a, struct value *ret)
{
    struct json j, new_item = {0}, result;
    struct array path;
    TRY(types__json_path_read(&v[1], a, &path));
    TRY(read(v, a, &j));
    if (is_scalar(&j))
        return parameter(how & DELETE ? "cannot delete path in scalar"
                                      : "cannot set path in scalar");
    *ret = v[0];
    if (path.n == 0 || (j.n == 0 && !(how & ADDS)))
        return NULL;
    if (item)
        TRY(read(item, a, &new_item));
    const struct edit e = {
        .path = path.items, .n = (int)path.n, .how = how, .item = &new_item, .arena = a};
    TRY(edit(&e, 0, &j, &result));
    *ret = types__json_text(&result, a);
    return NULL;
}

static CALL(jsonb_delete_path)
{
    return edit_at(v, NULL, DELETE, a, ret);
}

/* (target, path, item [, create]) */
static CALL(jsonb_set)
{
    return edit_at(v, &v[2], n > 3 && !v[3].i ? REPLACE : CREATE, a, ret);
}

/* (target, path, item [, after]) */
static CALL(jsonb_insert)
{
    return edit_at(v, &v[2], n > 3 && v[3].i ? AFTER : BEFORE, a, ret);
}

static bool text_is(const struct value *v, const char *text)
{
    return v->s.n == strlen(text) && memcmp(v->s.p, text, v->s.n) == 0;
}

/* (target, path, item [, create [, what to do with a NULL item]]) */
static CALL(jsonb_set_lax)
{
    const struct value json_null = value_text("null", 4), use = value_text("use_json_null", 13);
    const struct value *treat = n > 4 ? &v[4] : &use;
    *ret = (struct value){.kind = VALUE_NULL};
    if (v[0].kind == VALUE_NULL || v[1].kind == VALUE_NULL || (n > 3 && v[3].kind == VALUE_NULL))
        return NULL;
    if (treat->kind == VALUE_NULL)
        return parameter("null_value_treatment must be \"delete_key\", \"return_target\", "
                         "\"use_json_null\", or \"raise_exception\"");
    int how = n > 3 && !v[3].i ? REPLACE : CREATE;
    if (v[2].kind != VALUE_NULL)
        return edit_at(v, &v[2], how, a, ret);
    if (text_is(treat, "raise_exception"))
        return error_hint(
            error_detail(error_new("22004", "JSON value must not be null"),
                         "Exception was raised because null_value_treatment is "
                         "\"raise_exception\"."),
            "To avoid, either change the null_value_treatment argument or ensure that an SQL NULL "
            "is not passed.");
    if (text_is(treat, "use_json_null"))
        return edit_at(v, &json_null, how, a, ret);
    if (text_is(treat, "delete_key"))
        return edit_at(v, NULL, DELETE, a, ret);
    if (!text_is(treat, "return_target"))
        return parameter("null_value_treatment must be \"delete_key\", \"return_target\", "
                         "\"use_json_null\", or \"raise_exception\"");
    *ret = v[0];
    return NULL;
}

/* ---- printing
 * -------------------------------------------------------------------------------------- */

static void line(int level, struct buf *out)
{
    buf_puts(out, "\n");
    for (int i = 0; i < level; i++)
        buf_puts(out, "    ");
}

static void pretty(const struct json *j, int level, struct buf *out)
{
    if (is_scalar(j)) {
        types__json_write(j, out);
        return;
    }
    buf_puts(out, j->kind == JSON_ARRAY ? "[" : "{");
    for (int i = 0; i < j->n; i++) {
        buf_puts(out, i ? "," : "");
        line(level + 1, out);
        if (j->kind == JSON_OBJECT) {
            types_json_quote(j->keys[i].s.p, j->keys[i].s.n, out);
            buf_puts(out, ": ");
        }
        pretty(&j->items[i], level + 1, out);
    }
    line(level, out);
    buf_puts(out, j->kind == JSON_ARRAY ? "]" : "}");
}

static CALL(jsonb_pretty)
{
    struct json j;
    _cleanup_(buf_done) struct buf out = {0};
    TRY(read(v, a, &j));
    pretty(&j, 0, &out);
    *ret = types__text_of(a, &out);
    return NULL;
}

/* Members whose value is null are left out; `spaces` as jsonb has them. */
static void strip(const struct json *j, bool spaces, struct buf *out)
{
    if (is_scalar(j)) {
        types__json_write(j, out);
        return;
    }
    bool first = true;
    buf_puts(out, j->kind == JSON_ARRAY ? "[" : "{");
    for (int i = 0; i < j->n; i++) {
        if (j->kind == JSON_OBJECT && j->items[i].kind == JSON_NULL)
            continue;
        buf_puts(out, first ? "" : spaces ? ", " : ",");
        first = false;
        if (j->kind == JSON_OBJECT) {
            types_json_quote(j->keys[i].s.p, j->keys[i].s.n, out);
            buf_puts(out, spaces ? ": " : ":");
        }
        strip(&j->items[i], spaces, out);
    }
    buf_puts(out, j->kind == JSON_ARRAY ? "]" : "}");
}

static struct error *strip_nulls(const struct value *v, bool spaces, struct arena *a,
                                 struct value *ret)
{
    struct json j;
    _cleanup_(buf_done) struct buf out = {0};
    TRY(read(v, a, &j));
    strip(&j, spaces, &out);
    *ret = types__text_of(a, &out);
    return NULL;
}

static CALL(json_strip_nulls)
{
    return strip_nulls(v, false, a, ret);
}

static CALL(jsonb_strip_nulls)
{
    return strip_nulls(v, true, a, ret);
}

/* ---- UPDATE .. SET j['a'][0] = item
 * --------------------------------------------------------------- */

enum { MAX_GAP = 1000000 };

/* Makes what is not there: arrays where the path's element is a number, else objects. */
static struct error *made(const struct value *path, int n, int level, bool array,
                          const struct json *item, struct arena *a, struct json *ret);

static struct error *assign(const struct value *path, int n, int level, const struct json *j,
                            const struct json *item, struct arena *a, struct json *ret);

static struct error *check_subscript(const struct value *v)
{
    return v->kind == VALUE_NULL
               ? error_new("22004", "jsonb subscript in assignment must not be null")
               : NULL;
}

static struct error *below(const struct value *path, int n, int level, const struct json *j,
                           const struct json *item, struct arena *a, struct json *ret)
{
    int64_t at;
    if (level == n) {
        *ret = *item;
        return NULL;
    }
    if (j)
        return assign(path, n, level, j, item, a, ret);
    return made(path, n, level, types__json_index(&path[level], &at), item, a, ret);
}

static struct error *assign_member(const struct value *path, int n, int level, const struct json *j,
                                   const struct json *item, struct arena *a, struct json *ret)
{
    const struct value *key = &path[level];
    const struct json *before = types__json_member(j, key->s.p, key->s.n);
    struct json after;
    TRY(below(path, n, level + 1, before, item, a, &after));
    *ret = empty(JSON_OBJECT, j->n + 1, a);
    push_all(ret, j);
    push(ret, key, &after);
    types__json_sort(ret, a); /* of equal keys the last one counts */
    return NULL;
}

static struct error *assign_item(const struct value *path, int n, int level, const struct json *j,
                                 const struct json *item, struct arena *a, struct json *ret)
{
    static const struct json null = {.kind = JSON_NULL};
    int64_t at;
    struct json after;
    if (!types__json_index(&path[level], &at))
        return error_new(E_BAD_TEXT, "path element at position %d is not an integer: \"%.*s\"",
                         level + 1, (int)path[level].s.n, path[level].s.p);
    if (at < -(int64_t)j->n)
        return error_new("22023", "path element at position %d is out of range: %lld", level + 1,
                         (long long)at);
    at += at < 0 ? j->n : 0;
    if (at > j->n + MAX_GAP)
        return error_new("54000", "an array would have more than %d empty items", MAX_GAP);
    TRY(below(path, n, level + 1, at < j->n ? &j->items[at] : NULL, item, a, &after));
    *ret = empty(JSON_ARRAY, (int)MAX(at + 1, j->n), a);
    push_all(ret, j);
    while (ret->n < at)
        push(ret, NULL, &null);
    if (at < j->n)
        ret->items[at] = after;
    else
        push(ret, NULL, &after);
    return NULL;
}

static struct error *assign(const struct value *path, int n, int level, const struct json *j,
                            const struct json *item, struct arena *a, struct json *ret)
{
    TRY(check_subscript(&path[level]));
    if (is_scalar(j))
        return error_detail(parameter("cannot replace existing key"),
                            "The path assumes key is a composite object, but it is a scalar "
                            "value.");
    return j->kind == JSON_OBJECT ? assign_member(path, n, level, j, item, a, ret)
                                  : assign_item(path, n, level, j, item, a, ret);
}

static struct error *made(const struct value *path, int n, int level, bool array,
                          const struct json *item, struct arena *a, struct json *ret)
{
    const struct json nothing = empty(array ? JSON_ARRAY : JSON_OBJECT, 0, a);
    return assign(path, n, level, &nothing, item, a, ret);
}

/* (before, item, is the first subscript a number?, subscripts ..) */
static CALL(jsonb_assign)
{
    const struct value *path = v + 3;
    struct json j, item = {.kind = JSON_NULL}, result;
    if (v[1].kind != VALUE_NULL)
        TRY(read(&v[1], a, &item));
    if (n - 3 > JSON_MAX_DEPTH)
        return error_new("54000", "too many subscripts");
    if (v[0].kind == VALUE_NULL) {
        TRY(check_subscript(&path[0]));
        TRY(made(path, n - 3, 0, v[2].i, &item, a, &result));
    } else {
        TRY(read(v, a, &j));
        TRY(assign(path, n - 3, 0, &j, &item, a, &result));
    }
    *ret = types__json_text(&result, a);
    return NULL;
}

/* ---- rows
 * ------------------------------------------------------------------------------------------ */

#define TA OID_TEXT_ARRAY
#define B OID_BOOL
#define JB OID_JSONB
#define LAX(n, suffix, ...)                                                                        \
    {                                                                                              \
        .name = "jsonb_set_lax", .kind = FUNC_SCALAR, .nargs = n,                                  \
        .args = {JB, TA, JB, ##__VA_ARGS__}, .result = JB, .sqlite_name = "jsonb_set_lax_" suffix, \
        .call = jsonb_set_lax                                                                      \
    }
#define FOUR(n, fn)                                                                                \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .nargs = 4, .args = {JB, TA, JB, B}, .result = JB,         \
        .strict = true, .sqlite_name = #fn "_4", .call = fn                                        \
    }

static const struct func rows[] = {
    BINARY("||", JB, JB, JB, "jsonb_concat", jsonb_concat),
    SCALAR2("jsonb_concat", JB, JB, JB, "jsonb_concat", jsonb_concat),
    BINARY("-", JB, OID_TEXT, JB, "jsonb_delete", jsonb_delete),
    BINARY("-", JB, TA, JB, "jsonb_delete_array", jsonb_delete_array),
    BINARY("-", JB, OID_INT4, JB, "jsonb_delete_index", jsonb_delete_index),
    SCALAR2("jsonb_delete", JB, OID_TEXT, JB, "jsonb_delete", jsonb_delete),
    SCALAR2("jsonb_delete", JB, OID_INT4, JB, "jsonb_delete_index", jsonb_delete_index),
    BINARY("#-", JB, TA, JB, "jsonb_delete_path", jsonb_delete_path),
    SCALAR2("jsonb_delete_path", JB, TA, JB, "jsonb_delete_path", jsonb_delete_path),
    SCALAR3("jsonb_set", JB, TA, JB, JB, "jsonb_set_3", jsonb_set),
    FOUR("jsonb_set", jsonb_set),
    SCALAR3("jsonb_insert", JB, TA, JB, JB, "jsonb_insert_3", jsonb_insert),
    FOUR("jsonb_insert", jsonb_insert),
    LAX(3, "3"),
    LAX(4, "4", B),
    LAX(5, "5", B, OID_TEXT),
    {.name = "minisql_jsonb_assign",
     .kind = FUNC_SCALAR,
     .nargs = 4,
     .args = {JB, JB, B, OID_TEXT},
     .variadic = true,
     .result = JB,
     .sqlite_name = "minisql_jsonb_assign",
     .call = jsonb_assign},
    SCALAR1("jsonb_pretty", JB, OID_TEXT, "jsonb_pretty", jsonb_pretty),
    SCALAR1("json_strip_nulls", OID_JSON, OID_JSON, "json_strip_nulls", json_strip_nulls),
    SCALAR1("jsonb_strip_nulls", JB, JB, "jsonb_strip_nulls", jsonb_strip_nulls),
};

const struct func_rows types__json_edit_funcs = {rows, ARRAY_LEN(rows)};
