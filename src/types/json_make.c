/*
 * Making json and jsonb: to_json() of any type, build functions, aggregates.
 *
 * A function of these takes arguments of any type. Who calls it turns each into json or jsonb text
 * first (func->any_as, json_value_func()), so that what arrives here is JSON, or NULL.
 */
#include "types/json.h"

#include <math.h>

/* ---- any value
 * ------------------------------------------------------------------------------------- */

static struct error *write_array(const struct type *t, const struct value *v, bool jsonb,
                                 struct arena *a, struct buf *out);

/* 2024-01-31T10:00:00+00:00: ISO 8601, whatever the session's style is */
static void write_time(const struct value *v, uint32_t type, struct buf *out)
{
    _cleanup_(buf_done) struct buf text = {0};
    bool zone = type == OID_TIMESTAMPTZ;
    if (type == OID_DATE)
        types__date_print_iso((int32_t)v->i, &text);
    else
        types__timestamp_print_iso(v->i, zone, &text);
    bool bc = text.len > 3 && memcmp(text.data + text.len - 3, " BC", 3) == 0;
    size_t n = text.len - (bc ? 3 : 0);
    char *blank = n ? memchr(text.data, ' ', n) : NULL;
    if (blank && *text.data >= '0' && *text.data <= '9')
        *blank = 'T';
    bool short_zone =
        zone && blank && n > 3 && (text.data[n - 3] == '+' || text.data[n - 3] == '-');
    types_json_quote(text.data ? text.data : "", n, out);
    if (short_zone || bc) {
        out->len--; /* the quote */
        buf_printf(out, "%s%s\"", short_zone ? ":00" : "", bc ? " BC" : "");
    }
}

static struct error *write_number(const struct type *t, const struct value *v, bool jsonb,
                                  struct arena *a, struct buf *out)
{
    _cleanup_(buf_done) struct buf text = {0};
    type_print(t, v, -1, &text);
    char last = text.len ? text.data[text.len - 1] : 0;
    if (last < '0' || last > '9') { /* Infinity */
        types_json_quote(text.data ? text.data : "", text.len, out);
        return NULL;
    }
    struct value number = value_text(text.data, text.len);
    if (jsonb)
        TRY(types__numeric_parse(text.data, text.len, -1, a, &number));
    buf_append(out, number.s.p, number.s.n);
    return NULL;
}

static struct error *write_record(const struct type *t, const struct value *v, bool jsonb,
                                  struct arena *a, struct buf *out);
static struct error *write_value(const struct type *t, int32_t typmod, const struct value *v,
                                 bool jsonb, struct arena *a, struct buf *out)
{
    if (v->kind == VALUE_NULL) {
        buf_puts(out, "null");
        return NULL;
    }
    if (v->kind != t->storage)
        return error_new(E_INTERNAL, "a value of another type was about to be printed");
    switch (t->oid) {
    case OID_BOOL:
        buf_puts(out, v->i ? "true" : "false");
        return NULL;
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_FLOAT4:
    case OID_FLOAT8:
    case OID_NUMERIC:
        return write_number(t, v, jsonb, a, out);
    case OID_DATE:
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
        write_time(v, t->oid, out);
        return NULL;
    case OID_JSON:
    case OID_JSONB: {
        struct value text = *v;
        if (jsonb && t->oid == OID_JSON)
            TRY(types__json_to_jsonb(v, 1, a, &text));
        buf_append(out, text.s.p, text.s.n);
        return NULL;
    }
    default:
        break;
    }
    if (t->category == 'A' && t->element) /* int2vector, too */
        return write_array(t, v, jsonb, a, out);
    if (type_is_row(t))
        return write_record(t, v, jsonb, a, out);
    _cleanup_(buf_done) struct buf text = {0};
    type_print(t, v, typmod, &text);
    types_json_quote(text.data ? text.data : "", text.len, out);
    return NULL;
}

static struct error *write_dimension(const struct type *element, const struct array *array, int dim,
                                     size_t *next, bool jsonb, struct arena *a, struct buf *out)
{
    buf_puts(out, "[");
    for (int i = 0; i < array->dims[dim]; i++) {
        buf_puts(out, i == 0 ? "" : jsonb ? ", " : ",");
        if (dim + 1 < array->n_dims)
            TRY(write_dimension(element, array, dim + 1, next, jsonb, a, out));
        else
            TRY(write_value(element, -1, &array->items[(*next)++], jsonb, a, out));
    }
    buf_puts(out, "]");
    return NULL;
}

static struct error *write_array(const struct type *t, const struct value *v, bool jsonb,
                                 struct arena *a, struct buf *out)
{
    const struct type *element = type_by_oid(t->element);
    struct array array;
    size_t next = 0;
    TRY(types__array_read(element, v, a, &array));
    if (array.n_dims == 0) {
        buf_puts(out, "[]");
        return NULL;
    }
    return write_dimension(element, &array, 0, &next, jsonb, a, out);
}

static struct error *write_record(const struct type *t, const struct value *v, bool jsonb,
                                  struct arena *a, struct buf *out)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct record r;
    TRY(types__record_read(t, v, a, &r));
    buf_puts(&text, "{");
    for (size_t i = 0; i < r.n; i++) {
        const struct record_field *f = &r.fields[i];
        buf_puts(&text, i ? "," : "");
        types_json_quote(f->name, f->name_length, &text);
        buf_puts(&text, ":");
        TRY(write_value(f->type, f->typmod, &f->value, jsonb, a, &text));
    }
    buf_puts(&text, "}");
    struct value object = value_text(text.data, text.len);
    if (jsonb)
        TRY(types__json_to_jsonb(&object, 1, a, &object));
    buf_append(out, object.s.p, object.s.n);
    return NULL;
}

static struct error *value_as_json(const struct value *v, bool jsonb, struct arena *a,
                                   struct value *ret)
{
    const struct type *t = type_by_oid((uint32_t)v[1].i);
    _cleanup_(buf_done) struct buf out = {0};
    if (!t)
        return error_new(E_INTERNAL, "there is no type %lld", (long long)v[1].i);
    TRY(write_value(t, (int32_t)(v[1].i >> 32), v, jsonb, a, &out));
    *ret = types__text_of(a, &out);
    return NULL;
}

static CALL(value_to_json)
{
    return value_as_json(v, false, a, ret);
}

static CALL(value_to_jsonb)
{
    return value_as_json(v, true, a, ret);
}

static CALL(same)
{
    *ret = v[0];
    return NULL;
}

/* ---- building
 * -------------------------------------------------------------------------------------- */

static void put_item(const struct value *v, struct buf *out)
{
    if (v->kind == VALUE_NULL)
        buf_puts(out, "null");
    else
        buf_append(out, v->s.p, v->s.n);
}

/* A key that came as JSON: a string as it is, numbers and booleans in quotes. */
static struct error *put_key(const struct value *v, struct buf *out)
{
    char first = v->s.n ? *v->s.p : 0;
    if (first == '{' || first == '[')
        return error_new("22023", "key value must be scalar, not array, composite, or json");
    if (first == '"')
        buf_append(out, v->s.p, v->s.n);
    else
        types_json_quote(v->s.p, v->s.n, out);
    return NULL;
}

static struct error *build_object(const struct value *v, int n, bool jsonb, struct buf *out)
{
    if (n % 2)
        return error_hint(error_new("22023", "argument list must have even number of elements"),
                          "The arguments of %s must consist of alternating keys and values.",
                          jsonb ? "jsonb_build_object()" : "json_build_object()");
    buf_puts(out, "{");
    for (int i = 0; i < n; i += 2) {
        buf_puts(out, i ? ", " : "");
        if (v[i].kind == VALUE_NULL && jsonb)
            return error_new("22023", "argument %d: key must not be null", i + 1);
        if (v[i].kind == VALUE_NULL)
            return error_hint(error_new("22023", "argument %d cannot be null", i + 1),
                              "Object keys should be text.");
        TRY(put_key(&v[i], out));
        buf_puts(out, jsonb ? ": " : " : ");
        put_item(&v[i + 1], out);
    }
    buf_puts(out, "}");
    return NULL;
}

static CALL(json_build_object)
{
    _cleanup_(buf_done) struct buf out = {0};
    TRY(build_object(v, n, false, &out));
    *ret = types__text_of(a, &out);
    return NULL;
}

static CALL(jsonb_build_object)
{
    _cleanup_(buf_done) struct buf out = {0};
    TRY(build_object(v, n, true, &out));
    return types__jsonb_parse(NULL, out.data, out.len, -1, a, ret);
}

static CALL(json_build_array)
{
    _cleanup_(buf_done) struct buf out = {0};
    buf_puts(&out, "[");
    for (int i = 0; i < n; i++) {
        buf_puts(&out, i ? ", " : "");
        put_item(&v[i], &out);
    }
    buf_puts(&out, "]");
    *ret = types__text_of(a, &out);
    return NULL;
}

/* f(VARIADIC array): its items, of all dimensions, as the arguments. */
static struct error *spread(const struct value *v, bool jsonb, struct arena *a,
                            struct error *(*build)(const struct value *, int, struct arena *,
                                                   struct value *),
                            struct value *ret)
{
    enum { MAX_SPREAD = 100000 };
    const struct type *element = type_by_oid((uint32_t)v[1].i);
    struct array items;
    if (!element)
        return error_new(E_INTERNAL, "there is no type %lld", (long long)v[1].i);
    TRY(types__array_read(element, &v[0], a, &items));
    if (items.n > MAX_SPREAD)
        return error_new("54023", "cannot pass more than %d arguments to a function", MAX_SPREAD);
    struct value *args = ARENA_ARRAY(a, struct value, MAX(items.n, 1));
    for (size_t i = 0; i < items.n; i++) {
        const struct value item[2] = {items.items[i], v[1]};
        args[i] = items.items[i];
        if (args[i].kind != VALUE_NULL)
            TRY(value_as_json(item, jsonb, a, &args[i]));
    }
    return build(args, (int)items.n, a, ret);
}

static CALL(spread_json_object)
{
    return spread(v, false, a, json_build_object, ret);
}

static CALL(spread_jsonb_object)
{
    return spread(v, true, a, jsonb_build_object, ret);
}

static CALL(spread_json_array)
{
    return spread(v, false, a, json_build_array, ret);
}

static CALL(spread_jsonb_array)
{
    return spread(v, true, a, json_build_array, ret);
}

/* (separator, key, item, key, item, ..): a row, whose keys are in the order of its columns. */
static CALL(json_row)
{
    _cleanup_(buf_done) struct buf out = {0};
    buf_puts(&out, "{");
    for (int i = 1; i + 1 < n; i += 2) {
        if (i > 1)
            buf_append(&out, v[0].s.p, v[0].s.n);
        TRY(put_key(&v[i], &out));
        buf_puts(&out, ":");
        put_item(&v[i + 1], &out);
    }
    buf_puts(&out, "}");
    *ret = types__text_of(a, &out);
    return NULL;
}

/* Two rows as one: SQLite bounds the arguments of a call. */
static CALL(json_join)
{
    _cleanup_(buf_done) struct buf out = {0};
    buf_append(&out, v[0].s.p, v[0].s.n - (v[0].s.n > 0));
    buf_append(&out, v[1].s.p, v[1].s.n);
    buf_append(&out, v[2].s.p + (v[2].s.n > 0), v[2].s.n - (v[2].s.n > 0));
    *ret = types__text_of(a, &out);
    return NULL;
}

/* array_to_json(array, true): a line for each item of the outermost dimension */
static CALL(json_array_pretty)
{
    struct json j;
    _cleanup_(buf_done) struct buf out = {0};
    *ret = v[0];
    if (!v[1].i)
        return NULL;
    TRY(types__json_read(v, JSON_READ, a, &j));
    buf_puts(&out, "[");
    for (int i = 0; i < j.n; i++) {
        buf_puts(&out, i ? ",\n " : "");
        buf_append(&out, j.items[i].source.s.p, j.items[i].source.s.n);
    }
    buf_puts(&out, "]");
    *ret = types__text_of(a, &out);
    return NULL;
}

/* ---- objects of texts
 * ------------------------------------------------------------------------------ */

static struct error *put_pair(const struct value *key, const struct value *item, bool first,
                              struct buf *out)
{
    if (key->kind == VALUE_NULL)
        return error_new("22004", "null value not allowed for object key");
    buf_puts(out, first ? "" : ", ");
    types_json_quote(key->s.p, key->s.n, out);
    buf_puts(out, " : ");
    if (item->kind == VALUE_NULL)
        buf_puts(out, "null");
    else
        types_json_quote(item->s.p, item->s.n, out);
    return NULL;
}

static struct error *bad_subscripts(const char *message)
{
    return error_new(E_ARRAY_SUBSCRIPT, "%s", message);
}

/* {key, item, key, item} or {{key, item}, {key, item}} */
static struct error *object_of_one(const struct value *v, struct arena *a, struct buf *out)
{
    struct array x;
    TRY(types__array_read(type_by_oid(OID_TEXT), v, a, &x));
    if (x.n_dims == 1 && x.dims[0] % 2)
        return bad_subscripts("array must have even number of elements");
    if (x.n_dims == 2 && x.dims[1] != 2)
        return bad_subscripts("array must have two columns");
    if (x.n_dims > 2)
        return bad_subscripts("wrong number of array subscripts");
    for (size_t i = 0; i + 1 < x.n; i += 2)
        TRY(put_pair(&x.items[i], &x.items[i + 1], i == 0, out));
    return NULL;
}

static struct error *object_of_two(const struct value *v, struct arena *a, struct buf *out)
{
    struct array keys, items;
    TRY(types__array_read(type_by_oid(OID_TEXT), &v[0], a, &keys));
    TRY(types__array_read(type_by_oid(OID_TEXT), &v[1], a, &items));
    if (keys.n_dims > 1 || keys.n_dims != items.n_dims)
        return bad_subscripts("wrong number of array subscripts");
    if (keys.n != items.n)
        return bad_subscripts("mismatched array dimensions");
    for (size_t i = 0; i < keys.n; i++)
        TRY(put_pair(&keys.items[i], &items.items[i], i == 0, out));
    return NULL;
}

static CALL(json_object)
{
    _cleanup_(buf_done) struct buf out = {0};
    buf_puts(&out, "{");
    TRY(n == 1 ? object_of_one(v, a, &out) : object_of_two(v, a, &out));
    buf_puts(&out, "}");
    *ret = types__text_of(a, &out);
    return NULL;
}

static CALL(jsonb_object)
{
    struct value text;
    TRY(json_object(v, n, a, &text));
    return types__jsonb_parse(NULL, text.s.p, text.s.n, -1, a, ret);
}

/* ---- aggregates: the text so far, without its last bracket
 * ------------------------------------------ */

static void agg_init(struct agg_state *s)
{
    *s = (struct agg_state){0};
}

static struct error *agg_add(struct agg_state *s, const char *p, size_t n)
{
    size_t cap = s->s.first; /* here: the room */
    if (s->s.n + n > TEXT_MAX_BYTES)
        return error_new("54000", "a value is larger than %d bytes", TEXT_MAX_BYTES);
    if (s->s.n + n > cap) {
        cap = MAX(2 * cap, s->s.n + n + 64);
        s->s.p = mem_realloc(s->s.p, cap);
        s->s.first = cap;
    }
    memcpy(s->s.p + s->s.n, p, n);
    s->s.n += n;
    return NULL;
}

static struct error *agg_item(struct agg_state *s, const struct value *v)
{
    return v->kind == VALUE_NULL ? agg_add(s, "null", 4) : agg_add(s, v->s.p, v->s.n);
}

static struct error *array_step(struct agg_state *s, const struct value *v, int n)
{
    if (s->count++)
        TRY(agg_add(s, ", ", 2));
    return agg_item(s, v);
}

/* Of rows and arrays json_agg() begins a new line for each. */
static struct error *lines_step(struct agg_state *s, const struct value *v, int n)
{
    if (s->count++)
        TRY(v->kind == VALUE_NULL ? agg_add(s, ", ", 2) : agg_add(s, ", \n ", 4));
    return agg_item(s, v);
}

static struct error *object_step(struct agg_state *s, const struct value *v, int n)
{
    _cleanup_(buf_done) struct buf key = {0};
    if (v[0].kind == VALUE_NULL)
        return error_new("22023", "field name must not be null");
    TRY(put_key(&v[0], &key));
    if (s->count++)
        TRY(agg_add(s, ", ", 2));
    TRY(agg_add(s, key.data, key.len));
    TRY(agg_add(s, " : ", 3));
    return agg_item(s, &v[1]);
}

static struct error *agg_merge(struct agg_state *into, const struct agg_state *from)
{
    if (into->count && from->count)
        TRY(agg_add(into, ", ", 2));
    into->count += from->count;
    return from->count ? agg_add(into, from->s.p, from->s.n) : NULL;
}

static struct error *agg_between(struct agg_state *s, const char *open, const char *close,
                                 struct arena *a, struct value *ret)
{
    *ret = (struct value){.kind = VALUE_NULL};
    if (s->count == 0)
        return NULL;
    size_t n = strlen(open) + s->s.n + strlen(close);
    char *p = arena_alloc(a, n + 1);
    memcpy(p, open, strlen(open));
    memcpy(p + strlen(open), s->s.p, s->s.n);
    memcpy(p + strlen(open) + s->s.n, close, strlen(close));
    *ret = value_text(p, n);
    return NULL;
}

static struct error *array_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    return agg_between(s, "[", "]", a, ret);
}

static struct error *object_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    return agg_between(s, "{ ", " }", a, ret);
}

static struct error *sorted_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    struct value text;
    TRY(agg_between(s, "{", "}", a, &text));
    *ret = text;
    return text.kind == VALUE_NULL ? NULL
                                   : types__jsonb_parse(NULL, text.s.p, text.s.n, -1, a, ret);
}

static void agg_done(struct agg_state *s)
{
    mem_free(s->s.p);
    agg_init(s);
}

static const struct agg array_agg = {agg_init, array_step, agg_merge, array_final, agg_done};
static const struct agg lines_agg = {agg_init, lines_step, agg_merge, array_final, agg_done};
static const struct agg object_agg = {agg_init, object_step, agg_merge, object_final, agg_done};
static const struct agg sorted_agg = {agg_init, object_step, agg_merge, sorted_final, agg_done};

/* ---- rows
 * ------------------------------------------------------------------------------------------ */

#define J OID_JSON
#define JB OID_JSONB
#define TA OID_TEXT_ARRAY
#define ANY OID_ANY

#define BUILD(n, type, fn)                                                                         \
    {.name = n,                                                                                    \
     .kind = FUNC_SCALAR,                                                                          \
     .nargs = 1,                                                                                   \
     .args = {ANY},                                                                                \
     .variadic = true,                                                                             \
     .result = type,                                                                               \
     .any_as = type,                                                                               \
     .sqlite_name = #fn,                                                                           \
     .call = fn},                                                                                  \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .result = type, .sqlite_name = #fn, .call = fn             \
    }
#define CONVERT(n, type)                                                                           \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .nargs = 1, .args = {ANY}, .result = type, .any_as = type, \
        .strict = true, .emit = "$1", .call = same                                                 \
    }
#define AGG(n, count, type, sql, over, table)                                                      \
    {                                                                                              \
        .name = n, .kind = FUNC_AGGREGATE, .nargs = count, .args = {ANY, ANY}, .result = type,     \
        .any_as = type, .sqlite_name = sql, .over_emit = over, .agg = table                        \
    }

#define ROW_AS_JSON(n, count, arg)                                                                 \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .nargs = count, .args = {arg, OID_BOOL}, .result = J,      \
        .any_as = J, .strict = true, .emit = "$1", .call = same                                    \
    }
#define SPREAD(n, type, fn)                                                                        \
    {                                                                                              \
        .name = "minisql_spread_" n, .kind = FUNC_SCALAR, .nargs = 1, .args = {OID_ANYARRAY},      \
        .result = type, .strict = true, .typed = true, .sqlite_name = "minisql_spread_" n,         \
        .call = fn                                                                                 \
    }
#define VALUE(n, type, fn)                                                                         \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .nargs = 1, .args = {OID_ANYELEMENT}, .result = type,      \
        .strict = true, .typed = true, .sqlite_name = n, .call = fn                                \
    }

static const struct func rows[] = {
    VALUE("minisql_to_json", J, value_to_json),
    VALUE("minisql_to_jsonb", JB, value_to_jsonb),
    CONVERT("to_json", J),
    CONVERT("to_jsonb", JB),
    BUILD("json_build_object", J, json_build_object),
    BUILD("jsonb_build_object", JB, jsonb_build_object),
    BUILD("json_build_array", J, json_build_array),
    BUILD("jsonb_build_array", JB, json_build_array),
    SPREAD("json_build_object", J, spread_json_object),
    SPREAD("jsonb_build_object", JB, spread_jsonb_object),
    SPREAD("json_build_array", J, spread_json_array),
    SPREAD("jsonb_build_array", JB, spread_jsonb_array),
    {.name = "minisql_json_row",
     .kind = FUNC_SCALAR,
     .nargs = 2,
     .args = {OID_TEXT, J},
     .variadic = true,
     .result = J,
     .sqlite_name = "minisql_json_row",
     .call = json_row},
    SCALAR3("minisql_json_join", J, OID_TEXT, J, J, "minisql_json_join", json_join),
    ROW_AS_JSON("row_to_json", 1, OID_RECORD),
    ROW_AS_JSON("row_to_json", 2, OID_RECORD),
    ROW_AS_JSON("minisql_row_to_json", 1, J), /* of a row that was taken apart */
    ROW_AS_JSON("minisql_row_to_json", 2, J),
    {.name = "array_to_json",
     .kind = FUNC_SCALAR,
     .nargs = 1,
     .args = {OID_ANYARRAY},
     .result = J,
     .any_as = J,
     .strict = true,
     .emit = "$1",
     .call = same},
    {.name = "array_to_json",
     .kind = FUNC_SCALAR,
     .nargs = 2,
     .args = {OID_ANYARRAY, OID_BOOL},
     .result = J,
     .any_as = J,
     .strict = true,
     .sqlite_name = "json_array_pretty",
     .call = json_array_pretty},
    SCALAR1("json_object", TA, J, "json_object_1", json_object),
    SCALAR2("json_object", TA, TA, J, "json_object_2", json_object),
    SCALAR1("jsonb_object", TA, JB, "jsonb_object_1", jsonb_object),
    SCALAR2("jsonb_object", TA, TA, JB, "jsonb_object_2", jsonb_object),
    AGG("json_agg", 1, J, "json_agg", "json_agg_over($1)", &array_agg),
    AGG("minisql_json_agg_lines", 1, J, "json_agg_lines", "json_agg_lines_over($1)", &lines_agg),
    AGG("jsonb_agg", 1, JB, "jsonb_agg", "jsonb_agg_over($1)", &array_agg),
    AGG("json_object_agg", 2, J, "json_object_agg", "json_object_agg_over($1, $2)", &object_agg),
    AGG("jsonb_object_agg", 2, JB, "jsonb_object_agg", "jsonb_object_agg_over($1, $2)",
        &sorted_agg),
};

const struct func_rows types__json_make_funcs = {rows, ARRAY_LEN(rows)};

/* What any_as stands for. */
const struct func *json_value_func(uint32_t json_type)
{
    return &rows[json_type == J ? 0 : 1];
}

int64_t json_value_arg(uint32_t type, int32_t typmod)
{
    return (int64_t)(((uint64_t)(uint32_t)typmod << 32) | type);
}
