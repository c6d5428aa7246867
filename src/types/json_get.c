/*
 * Looking into json and jsonb: -> ->> #> #>> @> <@ ? ?| ?&, lengths and types. A part of a value is
 * the piece of text that it was read from: json gives it as it was written, and a piece of jsonb's
 * text is jsonb.
 */
#include "types/json.h"

#include <errno.h>

static struct error *read(const struct value *v, struct arena *a, struct json *ret)
{
    return types__json_read(v, JSON_READ, a, ret);
}

static void null_result(struct value *ret)
{
    *ret = (struct value){.kind = VALUE_NULL};
}

/* ---- one step
 * ------------------------------------------------------------------------------------ */

static struct json *item(const struct json *array, int64_t i)
{
    if (i < 0)
        i += array->n;
    return i >= 0 && i < array->n ? &array->items[i] : NULL;
}

static bool is_scalar(const struct json *j)
{
    return j->kind < JSON_ARRAY;
}

/* What -> and ->> give: NULL: nothing. */
static void give_json(const struct json *j, struct value *ret)
{
    if (j)
        *ret = j->source;
    else
        null_result(ret);
}

static void give_text(const struct json *j, struct value *ret)
{
    if (!j || j->kind == JSON_NULL)
        null_result(ret);
    else
        *ret = j->kind == JSON_STRING ? j->text : j->source;
}

/* ---- a member of stored jsonb, without reading all of it
 * --------------------------------------------- */

/* Behind the value at p; NULL: this is not what we store. */
static const char *skip_string(const char *p, const char *end, bool *ret_escapes)
{
    for (p++; p < end && *p != '"'; p++) {
        *ret_escapes |= *p == '\\';
        p += *p == '\\';
    }
    return p < end ? p + 1 : NULL;
}

static const char *skip_value(const char *p, const char *end)
{
    bool escapes = false;
    int depth = 0;
    do {
        if (p >= end)
            return NULL;
        if (*p == '"') {
            p = skip_string(p, end, &escapes);
            if (!p)
                return NULL;
        } else {
            depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
            p++;
        }
        while (p < end && depth == 0 && *p != ',' && *p != '}' && *p != ']')
            p++;
    } while (depth > 0);
    return depth == 0 ? p : NULL;
}

/* The piece of text of a member. False: read all of it, something is not as jsonb is stored. */
static bool scan_member(const struct value *v, const struct value *key, struct value *ret)
{
    const char *p = v->s.p, *end = p + v->s.n;
    *ret = (struct value){.kind = VALUE_NULL};
    if (v->s.n < 2 || *p != '{')
        return false;
    for (p++; p < end && *p == '"'; p += 2) {
        bool escapes = false;
        const char *name = p + 1, *close = skip_string(p, end, &escapes);
        if (!close || escapes || end - close < 3 || close[0] != ':' || close[1] != ' ')
            return false;
        const char *from = close + 2;
        p = skip_value(from, end);
        if (!p)
            return false;
        size_t n = (size_t)(close - 1 - name);
        if (n == key->s.n && memcmp(name, key->s.p, n) == 0) {
            *ret = value_text(from, (size_t)(p - from));
            return true;
        }
        if (p == end || *p != ',')
            break;
    }
    return p + 1 == end && *p == '}';
}

static struct error *member_of(const struct value *v, struct arena *a, struct json **ret)
{
    struct json *j = ARENA_NEW(a, struct json);
    TRY(read(v, a, j));
    *ret = j->kind == JSON_OBJECT ? types__json_member(j, v[1].s.p, v[1].s.n) : NULL;
    return NULL;
}

/* A scalar of type jsonb is an array of one item to PostgreSQL. */
static struct error *item_of(const struct value *v, bool jsonb, struct arena *a, struct json **ret)
{
    struct json *j = ARENA_NEW(a, struct json);
    TRY(read(v, a, j));
    if (jsonb && is_scalar(j))
        *ret = v[1].i == 0 || v[1].i == -1 ? j : NULL;
    else
        *ret = j->kind == JSON_ARRAY ? item(j, v[1].i) : NULL;
    return NULL;
}

static CALL(json_member)
{
    struct json *j;
    TRY(member_of(v, a, &j));
    give_json(j, ret);
    return NULL;
}

static CALL(json_member_text)
{
    struct json *j;
    TRY(member_of(v, a, &j));
    give_text(j, ret);
    return NULL;
}

static CALL(jsonb_member)
{
    return scan_member(&v[0], &v[1], ret) ? NULL : json_member(v, n, a, ret);
}

static CALL(jsonb_member_text)
{
    struct json *j;
    struct value piece;
    if (scan_member(&v[0], &v[1], &piece)) {
        char first = piece.kind == VALUE_NULL ? 'n' : *piece.s.p;
        bool plain = first != '"' || !memchr(piece.s.p, '\\', piece.s.n);
        if (first == 'n')
            null_result(ret);
        else
            *ret = first == '"' ? value_text(piece.s.p + 1, piece.s.n - 2) : piece;
        if (plain && (first != '"' || piece.s.n >= 2))
            return NULL;
    }
    TRY(member_of(v, a, &j));
    give_text(j, ret);
    return NULL;
}

static CALL(json_item)
{
    struct json *j;
    TRY(item_of(v, false, a, &j));
    give_json(j, ret);
    return NULL;
}

static CALL(json_item_text)
{
    struct json *j;
    TRY(item_of(v, false, a, &j));
    give_text(j, ret);
    return NULL;
}

static CALL(jsonb_item)
{
    struct json *j;
    TRY(item_of(v, true, a, &j));
    give_json(j, ret);
    return NULL;
}

static CALL(jsonb_item_text)
{
    struct json *j;
    TRY(item_of(v, true, a, &j));
    give_text(j, ret);
    return NULL;
}

/* ---- paths
 * --------------------------------------------------------------------------------------- */

bool types__json_index(const struct value *text, int64_t *ret)
{
    char copy[32], *end;
    if (text->s.n == 0 || text->s.n >= sizeof(copy))
        return false;
    memcpy(copy, text->s.p, text->s.n);
    copy[text->s.n] = 0;
    errno = 0;
    *ret = strtol(copy, &end, 10);
    return end != copy && !*end && errno == 0 && *ret >= INT32_MIN && *ret <= INT32_MAX;
}

struct json *types__json_follow(struct json *j, const struct value *path, size_t n)
{
    for (size_t i = 0; i < n && j; i++) {
        int64_t at;
        if (path[i].kind == VALUE_NULL)
            return NULL;
        if (j->kind == JSON_OBJECT)
            j = types__json_member(j, path[i].s.p, path[i].s.n);
        else if (j->kind == JSON_ARRAY && types__json_index(&path[i], &at))
            j = item(j, at);
        else
            j = NULL;
    }
    return j;
}

struct error *types__json_path_read(const struct value *v, struct arena *a, struct array *ret)
{
    TRY(types__array_read(type_by_oid(OID_TEXT), v, a, ret));
    return ret->n_dims > 1 ? error_new(E_ARRAY_SUBSCRIPT, "wrong number of array subscripts")
                           : NULL;
}

/* (json, text[]) */
static struct error *at_path(const struct value *v, struct arena *a, struct json **ret)
{
    struct json *j = ARENA_NEW(a, struct json);
    struct array path;
    TRY(types__array_read(type_by_oid(OID_TEXT), &v[1], a, &path));
    TRY(read(v, a, j));
    *ret = types__json_follow(j, path.items, path.n);
    return NULL;
}

static CALL(json_at_path)
{
    struct json *j;
    TRY(at_path(v, a, &j));
    give_json(j, ret);
    return NULL;
}

static CALL(json_at_path_text)
{
    struct json *j;
    TRY(at_path(v, a, &j));
    give_text(j, ret);
    return NULL;
}

/* (json, text, text, ..) */
static CALL(json_extract_path)
{
    struct json j;
    TRY(read(v, a, &j));
    give_json(types__json_follow(&j, v + 1, (size_t)n - 1), ret);
    return NULL;
}

static CALL(json_extract_path_text)
{
    struct json j;
    TRY(read(v, a, &j));
    give_text(types__json_follow(&j, v + 1, (size_t)n - 1), ret);
    return NULL;
}

/* ---- containment
 * --------------------------------------------------------------------------------- */

static bool contains(const struct json *x, const struct json *y);

static bool holds_item(const struct json *array, const struct json *wanted)
{
    for (int i = 0; i < array->n; i++) {
        const struct json *one = &array->items[i];
        if (one->kind == wanted->kind &&
            (is_scalar(one) ? types__json_equal(one, wanted) : contains(one, wanted)))
            return true;
    }
    return false;
}

/* Two containers of one kind. */
static bool contains(const struct json *x, const struct json *y)
{
    for (int i = 0; i < y->n; i++) {
        const struct json *wanted = &y->items[i];
        if (x->kind == JSON_ARRAY) {
            if (!holds_item(x, wanted))
                return false;
            continue;
        }
        const struct json *found = types__json_member(x, y->keys[i].s.p, y->keys[i].s.n);
        if (!found || found->kind != wanted->kind ||
            !(is_scalar(found) ? types__json_equal(found, wanted) : contains(found, wanted)))
            return false;
    }
    return true;
}

static struct json as_array(struct json *j)
{
    return is_scalar(j) ? (struct json){.kind = JSON_ARRAY, .n = 1, .items = j} : *j;
}

/* An array contains a scalar that is one of its items; a scalar contains no array. */
static struct error *containment(const struct value *outer, const struct value *inner,
                                 struct arena *a, struct value *ret)
{
    struct json x, y;
    TRY(read(outer, a, &x));
    TRY(read(inner, a, &y));
    bool possible =
        (x.kind == JSON_OBJECT) == (y.kind == JSON_OBJECT) && !(is_scalar(&x) && !is_scalar(&y));
    struct json left = as_array(&x), right = as_array(&y);
    *ret = value_int(possible && contains(&left, &right));
    return NULL;
}

static CALL(jsonb_contains)
{
    return containment(&v[0], &v[1], a, ret);
}

static CALL(jsonb_contained)
{
    return containment(&v[1], &v[0], a, ret);
}

/* ---- existence of keys
 * ----------------------------------------------------------------------------- */

static bool exists(struct json *j, const struct value *key)
{
    if (j->kind == JSON_OBJECT)
        return types__json_member(j, key->s.p, key->s.n) != NULL;
    struct json array = as_array(j);
    for (int i = 0; i < array.n; i++) {
        const struct json *one = &array.items[i];
        if (one->kind == JSON_STRING && one->text.s.n == key->s.n &&
            memcmp(one->text.s.p, key->s.p, key->s.n) == 0)
            return true;
    }
    return false;
}

static CALL(jsonb_exists)
{
    struct json j;
    TRY(read(v, a, &j));
    *ret = value_int(exists(&j, &v[1]));
    return NULL;
}

static struct error *exists_of(const struct value *v, bool all, struct arena *a, struct value *ret)
{
    struct json j;
    struct array keys;
    bool found = all;
    TRY(read(v, a, &j));
    TRY(types__array_read(type_by_oid(OID_TEXT), &v[1], a, &keys));
    for (size_t i = 0; i < keys.n && found == all; i++) {
        if (keys.items[i].kind != VALUE_NULL)
            found = exists(&j, &keys.items[i]);
    }
    *ret = value_int(found);
    return NULL;
}

static CALL(jsonb_exists_any)
{
    return exists_of(v, false, a, ret);
}

static CALL(jsonb_exists_all)
{
    return exists_of(v, true, a, ret);
}

/* ---- lengths and types
 * ----------------------------------------------------------------------------- */

static CALL(json_array_length)
{
    struct json j;
    TRY(read(v, a, &j));
    if (j.kind != JSON_ARRAY)
        return error_new("22023", "cannot get array length of a %s",
                         j.kind == JSON_OBJECT ? "non-array" : "scalar");
    *ret = value_int(j.n);
    return NULL;
}

static CALL(json_typeof)
{
    struct json j;
    TRY(read(v, a, &j));
    const char *name = types__json_kind_name(j.kind);
    *ret = value_text(name, strlen(name));
    return NULL;
}

/* ---- rows
 * ------------------------------------------------------------------------------------------ */

#define T OID_TEXT
#define TA OID_TEXT_ARRAY
#define B OID_BOOL
#define J OID_JSON
#define JB OID_JSONB
#define EXTRACT(n, type, r, fn)                                                                    \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .nargs = 2, .args = {type, T}, .variadic = true,           \
        .result = r, .strict = true, .sqlite_name = #fn, .call = fn                                \
    }

static const struct func rows[] = {
    BINARY("->", J, T, J, "json_member", json_member),
    BINARY("->", JB, T, JB, "jsonb_member", jsonb_member),
    BINARY("->", J, OID_INT4, J, "json_item", json_item),
    BINARY("->", JB, OID_INT4, JB, "jsonb_item", jsonb_item),
    BINARY("->>", J, T, T, "json_member_text", json_member_text),
    BINARY("->>", JB, T, T, "jsonb_member_text", jsonb_member_text),
    BINARY("->>", J, OID_INT4, T, "json_item_text", json_item_text),
    BINARY("->>", JB, OID_INT4, T, "jsonb_item_text", jsonb_item_text),
    BINARY("#>", J, TA, J, "json_at_path", json_at_path),
    BINARY("#>", JB, TA, JB, "json_at_path", json_at_path),
    BINARY("#>>", J, TA, T, "json_at_path_text", json_at_path_text),
    BINARY("#>>", JB, TA, T, "json_at_path_text", json_at_path_text),
    EXTRACT("json_extract_path", J, J, json_extract_path),
    EXTRACT("jsonb_extract_path", JB, JB, json_extract_path),
    EXTRACT("json_extract_path_text", J, T, json_extract_path_text),
    EXTRACT("jsonb_extract_path_text", JB, T, json_extract_path_text),
    SCALAR2("json_object_field", J, T, J, "json_member", json_member),
    SCALAR2("jsonb_object_field", JB, T, JB, "jsonb_member", jsonb_member),
    SCALAR2("json_object_field_text", J, T, T, "json_member_text", json_member_text),
    SCALAR2("jsonb_object_field_text", JB, T, T, "jsonb_member_text", jsonb_member_text),
    SCALAR2("json_array_element", J, OID_INT4, J, "json_item", json_item),
    SCALAR2("jsonb_array_element", JB, OID_INT4, JB, "jsonb_item", jsonb_item),
    SCALAR2("json_array_element_text", J, OID_INT4, T, "json_item_text", json_item_text),
    SCALAR2("jsonb_array_element_text", JB, OID_INT4, T, "jsonb_item_text", jsonb_item_text),
    BINARY("@>", JB, JB, B, "jsonb_contains", jsonb_contains),
    BINARY("<@", JB, JB, B, "jsonb_contained", jsonb_contained),
    BINARY("?", JB, T, B, "jsonb_exists", jsonb_exists),
    BINARY("?|", JB, TA, B, "jsonb_exists_any", jsonb_exists_any),
    BINARY("?&", JB, TA, B, "jsonb_exists_all", jsonb_exists_all),
    SCALAR2("jsonb_contains", JB, JB, B, "jsonb_contains", jsonb_contains),
    SCALAR2("jsonb_contained", JB, JB, B, "jsonb_contained", jsonb_contained),
    SCALAR2("jsonb_exists", JB, T, B, "jsonb_exists", jsonb_exists),
    SCALAR2("jsonb_exists_any", JB, TA, B, "jsonb_exists_any", jsonb_exists_any),
    SCALAR2("jsonb_exists_all", JB, TA, B, "jsonb_exists_all", jsonb_exists_all),
    SCALAR1("json_array_length", J, OID_INT4, "json_array_length", json_array_length),
    SCALAR1("jsonb_array_length", JB, OID_INT4, "json_array_length", json_array_length),
    SCALAR1("json_typeof", J, T, "json_typeof", json_typeof),
    SCALAR1("jsonb_typeof", JB, T, "json_typeof", json_typeof),
};

const struct func_rows types__json_get_funcs = {rows, ARRAY_LEN(rows)};
