/*
 * json_populate_record() and json_populate_recordset() of composite types and records, and the
 * composite values and arrays that lie in what json_to_record() reads: a value of any type from
 * json. PostgreSQL's rules (jsonfuncs.c): an object is a composite value, an array an array, and a
 * string what its type reads.
 */
#include "types/json.h"

static struct error *read_as(const struct json *j, const struct type *t, int32_t typmod,
                             const struct value *before, const struct value *key, struct arena *a,
                             struct value *ret);

/* ---- objects ------------------------------------------------------------------------------- */

/* before: the value whose fields stay where the object has none; or NULL */
static struct error *read_object(const struct json *j, const struct type *t,
                                 const struct value *before, struct arena *a, struct value *ret)
{
    const struct value nothing = {.kind = VALUE_TEXT, .s = {"1;", 2}};
    struct record r;
    if (j->kind != JSON_OBJECT)
        return error_new("22023", "cannot call populate_composite on %s",
                         j->kind == JSON_ARRAY ? "an array" : "a scalar");
    if (!before && !type_is_composite(t))
        return error_new(E_UNSUPPORTED, "could not determine row type for result of "
                                        "json_populate_record");
    TRY(types__record_read(t, before ? before : &nothing, a, &r));
    for (size_t i = 0; i < r.n; i++) {
        struct record_field *f = &r.fields[i];
        const struct json *item = types__json_member(j, f->name, f->name_length);
        const struct value key = {.kind = VALUE_TEXT, .s = {f->name, f->name_length}};
        struct value was = f->value;
        if (item)
            TRY(read_as(item, f->type, f->typmod, was.kind == VALUE_NULL ? NULL : &was, &key, a,
                        &f->value));
    }
    return types__record_write(t, &r, a, ret);
}

/* ---- arrays -------------------------------------------------------------------------------- */

static struct error *no_array(const struct value *key)
{
    struct error *e = error_new(E_BAD_TEXT, "expected JSON array");
    return key ? error_hint(e, "See the value of key \"%.*s\".", (int)key->s.n, key->s.p) : e;
}

/* The first items tell how many dimensions there are, and how long they are. */
static struct error *dimensions(const struct json *j, struct array *ret)
{
    *ret = (struct array){.n = 1};
    for (; j && j->kind == JSON_ARRAY; j = j->n ? &j->items[0] : NULL) {
        if (ret->n_dims == ARRAY_MAX_DIMS)
            return error_new("54000",
                             "number of array dimensions (%d) exceeds the maximum allowed (%d)",
                             ret->n_dims + 1, ARRAY_MAX_DIMS);
        ret->dims[ret->n_dims] = j->n;
        ret->lower[ret->n_dims++] = 1;
        ret->n *= (size_t)j->n;
    }
    if (!ret->n)
        ret->n_dims = 0;
    return NULL;
}

static struct error *read_items(const struct json *j, const struct type *element, int32_t typmod,
                                int dim, const struct value *key, struct arena *a,
                                struct array *ret, size_t *at)
{
    if (dim == ret->n_dims)
        return read_as(j, element, typmod, NULL, key, a, &ret->items[(*at)++]);
    if (j->kind != JSON_ARRAY)
        return no_array(key);
    if (j->n != ret->dims[dim])
        return error_detail(error_new(E_BAD_TEXT, "malformed JSON array"),
                            "Multidimensional arrays must have sub-arrays with matching "
                            "dimensions.");
    for (int i = 0; i < j->n; i++)
        TRY(read_items(&j->items[i], element, typmod, dim + 1, key, a, ret, at));
    return NULL;
}

static struct error *read_array(const struct json *j, const struct type *t, int32_t typmod,
                                const struct value *key, struct arena *a, struct value *ret)
{
    const struct type *element = type_by_oid(t->element);
    struct array x;
    size_t at = 0;
    if (j->kind != JSON_ARRAY)
        return no_array(key);
    TRY(dimensions(j, &x));
    x.items = ARENA_ARRAY(a, struct value, MAX(x.n, 1));
    if (x.n)
        TRY(read_items(j, element, typmod, 0, key, a, &x, &at));
    *ret = types__array_write(element, &x, a);
    return NULL;
}

/* ---- any value ----------------------------------------------------------------------------- */

static struct error *read_as(const struct json *j, const struct type *t, int32_t typmod,
                             const struct value *before, const struct value *key, struct arena *a,
                             struct value *ret)
{
    bool is_json = t->oid == OID_JSON || t->oid == OID_JSONB;
    *ret = (struct value){.kind = VALUE_NULL};
    if (j->kind == JSON_NULL)
        return NULL;
    if (type_is_row(t) && j->kind != JSON_STRING)
        return read_object(j, t, before, a, ret);
    if (t->category == 'A' && t->element && j->kind != JSON_STRING)
        return read_array(j, t, typmod, key, a, ret);
    const struct value *text = j->kind == JSON_STRING && !is_json ? &j->text : &j->source;
    return type_parse(t, text->s.p, text->s.n, typmod, a, ret);
}

/* ---- calls --------------------------------------------------------------------------------- */

static struct error *row_type(const struct value *hidden, const char *function,
                              const struct type **ret)
{
    *ret = type_by_oid((uint32_t)hidden->i);
    if (*ret && type_is_row(*ret))
        return NULL;
    return error_new(E_TYPE_MISMATCH, "first argument of %s must be a row type", function);
}

/* row, json, [whether nested objects are text, which changes nothing,] type */
static struct error *populate(const struct value *v, int n, const char *function, struct arena *a,
                              struct value *ret)
{
    const struct type *t;
    struct json j;
    TRY(row_type(&v[n - 1], function, &t));
    *ret = v[0];
    if (v[1].kind == VALUE_NULL)
        return NULL;
    TRY(types__json_read(&v[1], JSON_READ, a, &j));
    return read_object(&j, t, v[0].kind == VALUE_NULL ? NULL : &v[0], a, ret);
}

static CALL(json_populate_record)
{
    return populate(v, n, "json_populate_record", a, ret);
}

static CALL(jsonb_populate_record)
{
    return populate(v, n, "jsonb_populate_record", a, ret);
}

/* A value of the type, or NULL, an object, the name of a member, type: the member as a value of
 * the type, with what it does not have of the first one */
static CALL(json_field_value)
{
    const struct type *t = type_by_oid((uint32_t)v[3].i);
    struct json j;
    *ret = (struct value){.kind = VALUE_NULL};
    if (v[1].kind == VALUE_NULL)
        return NULL;
    TRY(types__json_read(&v[1], JSON_READ, a, &j));
    const struct json *item =
        j.kind == JSON_OBJECT ? types__json_member(&j, v[2].s.p, v[2].s.n) : NULL;
    const struct value *before = v[0].kind == VALUE_NULL ? NULL : &v[0];
    return item ? read_as(item, t, -1, before, &v[2], a, ret) : NULL;
}

static struct error *populate_set(const struct value *v, int n, const char *function,
                                  struct arena *a, void **ret)
{
    struct set_list *l = ARENA_NEW(a, struct set_list);
    const struct type *t;
    struct json j;
    *ret = l;
    TRY(row_type(&v[n - 1], function, &t));
    if (v[1].kind == VALUE_NULL)
        return NULL;
    TRY(types__json_read(&v[1], JSON_READ, a, &j));
    if (j.kind != JSON_ARRAY)
        return error_new("22023", "cannot call %s on %s", function,
                         strncmp(function, "jsonb", 5) == 0 ? "a non-array"
                         : j.kind == JSON_OBJECT            ? "an object"
                                                            : "a scalar");
    l->items = ARENA_ARRAY(a, struct value, MAX(j.n, 1));
    for (; l->n < (size_t)j.n; l->n++) {
        if (j.items[l->n].kind != JSON_OBJECT)
            return error_new("22023", "argument of %s must be an array of objects", function);
        TRY(read_object(&j.items[l->n], t, v[0].kind == VALUE_NULL ? NULL : &v[0], a,
                        &l->items[l->n]));
    }
    return NULL;
}

static struct error *json_set(const struct value *v, int n, struct arena *a, void **ret)
{
    return populate_set(v, n, "json_populate_recordset", a, ret);
}

static struct error *jsonb_set(const struct value *v, int n, struct arena *a, void **ret)
{
    return populate_set(v, n, "jsonb_populate_recordset", a, ret);
}

/* ---- rows ---------------------------------------------------------------------------------- */

static const struct set json_records = {1, NULL, json_set, types__set_list_next},
                        jsonb_records = {1, NULL, jsonb_set, types__set_list_next};

#define POPULATE(n, sql, count, fn, ...)                                                           \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .nargs = count, .args = {OID_ANYELEMENT, __VA_ARGS__},     \
        .result = OID_ANYELEMENT, .typed = true, .sqlite_name = sql, .call = fn                    \
    }
#define RECORDS(n, count, s, ...)                                                                  \
    {                                                                                              \
        .name = n, .kind = FUNC_SET, .nargs = count, .args = {OID_ANYELEMENT, __VA_ARGS__},        \
        .result = OID_ANYELEMENT, .typed = true, .set = &s                                         \
    }

static const struct func rows[] = {
    POPULATE("json_populate_record", "json_populate_record", 2, json_populate_record, OID_JSON),
    POPULATE("json_populate_record", "minisql_json_populate_text", 3, json_populate_record,
             OID_JSON, OID_BOOL),
    POPULATE("jsonb_populate_record", "jsonb_populate_record", 2, jsonb_populate_record, OID_JSONB),
    POPULATE("minisql_json_field_value", "minisql_json_field_value", 3, json_field_value, OID_JSON,
             OID_TEXT),
    POPULATE("minisql_json_field_value", "minisql_json_field_value", 3, json_field_value, OID_JSONB,
             OID_TEXT),
    RECORDS("json_populate_recordset", 2, json_records, OID_JSON),
    RECORDS("json_populate_recordset", 3, json_records, OID_JSON, OID_BOOL),
    RECORDS("jsonb_populate_recordset", 2, jsonb_records, OID_JSONB),
};

const struct func_rows types__json_populate_funcs = {rows, ARRAY_LEN(rows)};
