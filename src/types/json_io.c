/*
 * json and jsonb as types: text and binary forms, order, comparisons, casts to numbers.
 */
#include "types/json.h"

/* ---- forms
 * --------------------------------------------------------------------------------------- */

struct error *types__json_parse(const struct type *self, const char *s, size_t n, int32_t typmod,
                                struct arena *a, struct value *ret)
{
    struct json checked;
    TRY(types__utf8_check(s, n));
    const struct value text = value_text(s, n);
    TRY(types__json_read(&text, JSON_CHECK, a, &checked));
    *ret = text;
    return NULL;
}

struct error *types__jsonb_parse(const struct type *self, const char *s, size_t n, int32_t typmod,
                                 struct arena *a, struct value *ret)
{
    struct json j;
    TRY(types__utf8_check(s, n));
    const struct value text = value_text(s, n);
    TRY(types__json_read(&text, JSON_SORT, a, &j));
    *ret = types__json_text(&j, a);
    return NULL;
}

/* A version, which is 1, and the text. */
struct error *types__jsonb_recv(const struct type *self, const char *s, size_t n, int32_t typmod,
                                struct arena *a, struct value *ret)
{
    if (n == 0)
        return error_new("08P01", "no data left in message");
    if (*s != 1)
        return error_new(E_INTERNAL, "unsupported jsonb version number %d", (unsigned char)*s);
    return types__jsonb_parse(self, s + 1, n - 1, typmod, a, ret);
}

void types__jsonb_send(const struct type *self, const struct value *v, int32_t typmod,
                       struct buf *out)
{
    buf_put8(out, 1);
    buf_append(out, v->s.p, v->s.n);
}

static int compare_text(const struct value *x, const struct value *y)
{
    int order = memcmp(x->s.p, y->s.p, MIN(x->s.n, y->s.n));
    return order ? order : (x->s.n > y->s.n) - (x->s.n < y->s.n);
}

/* Values that are not ours (a damaged file) have some order, too. */
int types__jsonb_compare(const struct type *self, const struct value *x, const struct value *y)
{
    struct arena arena = {0};
    struct json left, right;
    int order = compare_text(x, y);
    if (order == 0)
        return 0;
    struct error *e = types__json_read(x, JSON_READ, &arena, &left);
    if (!e)
        e = types__json_read(y, JSON_READ, &arena, &right);
    if (!e)
        order = types__json_compare(&left, &right);
    error_free(e);
    arena_done(&arena);
    return order;
}

DEFINE_COMPARISONS(jsonb, types__jsonb_compare(NULL, &v[0], &v[1]))

/* ---- casts
 * --------------------------------------------------------------------------------------- */

CALL(types__json_to_jsonb)
{
    return types__jsonb_parse(NULL, v->s.p, v->s.n, -1, a, ret);
}

CALL(types__text_to_json)
{
    return types__json_parse(NULL, v->s.p, v->s.n, -1, a, ret);
}

/* The scalar in v[0], which has to be of a kind, for the type v[1]. */
static struct error *scalar_of(const struct value *v, enum json_kind kind, struct arena *a,
                               struct json *ret)
{
    static const char *const names[] = {"null", "string", "numeric", "boolean"};
    TRY(types__json_read(v, JSON_READ, a, ret));
    if (ret->kind == kind)
        return NULL;
    const struct type *t = type_by_oid((uint32_t)v[1].i);
    bool container = ret->kind >= JSON_ARRAY;
    return error_new("22023", "cannot cast jsonb %s to type %s",
                     container ? (ret->kind == JSON_ARRAY ? "array" : "object") : names[ret->kind],
                     t ? t->sql_name : "?");
}

CALL(types__jsonb_to_bool)
{
    struct json j;
    TRY(scalar_of(v, JSON_BOOL, a, &j));
    *ret = value_int(j.truth);
    return NULL;
}

/* To any type of number: v[1] says to which. */
CALL(types__jsonb_to_number)
{
    struct json j;
    TRY(scalar_of(v, JSON_NUMBER, a, &j));
    const struct cast *c = cast_find(OID_NUMERIC, (uint32_t)v[1].i, CAST_EXPLICIT);
    *ret = j.text;
    return c && c->func ? c->func->call(&j.text, 1, a, ret) : NULL;
}

/* ---- rows
 * ---------------------------------------------------------------------------------------- */

#define COMPARE(op, name)                                                                          \
    BINARY_EMIT(op, OID_JSONB, OID_JSONB, OID_BOOL, "($1 " op " $2 COLLATE minisql_type_3802)",    \
                jsonb_##name)

static const struct func rows[] = {
    COMPARE("=", eq),  COMPARE("<>", ne), COMPARE("<", lt),
    COMPARE("<=", le), COMPARE(">", gt),  COMPARE(">=", ge),
};

const struct func_rows types__json_funcs = {rows, ARRAY_LEN(rows)};
