/*
 * Functions that return rows of json and jsonb: json_each, json_array_elements, json_object_keys,
 * and what json_to_record() and json_populate_record() are made of. And those of regular
 * expressions.
 *
 * A value is read once, when the call begins; its rows are pieces of its text.
 */
#include "types/json.h"

static struct error *wrong_call(const char *function, const char *on)
{
    return error_new("22023", "cannot call %s on %s", function, on);
}

/* ---- the members of an object
 * ----------------------------------------------------------------------- */

struct members {
    struct json object;
    int at;
    bool as_text;
};

static struct value item_text(const struct json *j)
{
    if (j->kind == JSON_NULL)
        return (struct value){.kind = VALUE_NULL};
    return j->kind == JSON_STRING ? j->text : j->source;
}

static struct error *members_of(const struct value *v, bool as_text, struct arena *a,
                                struct members **ret)
{
    *ret = ARENA_NEW(a, struct members);
    (*ret)->as_text = as_text;
    return types__json_read(v, JSON_READ, a, &(*ret)->object);
}

static struct error *each_next(void *state, struct arena *row, struct value *ret, bool *ret_more)
{
    struct members *m = state;
    *ret_more = m->at < m->object.n;
    if (!*ret_more)
        return NULL;
    const struct json *item = &m->object.items[m->at];
    ret[0] = m->object.keys[m->at++];
    ret[1] = m->as_text ? item_text(item) : item->source;
    return NULL;
}

static struct error *each(const struct value *v, bool as_text, struct arena *a, void **ret)
{
    struct members *m;
    TRY(members_of(v, as_text, a, &m));
    *ret = m;
    if (m->object.kind == JSON_ARRAY)
        return error_new("22023", "cannot deconstruct an array as an object");
    return m->object.kind == JSON_OBJECT ? NULL : error_new("22023", "cannot deconstruct a scalar");
}

static struct error *json_each(const struct value *v, int n, struct arena *a, void **ret)
{
    return each(v, false, a, ret);
}

static struct error *json_each_text(const struct value *v, int n, struct arena *a, void **ret)
{
    return each(v, true, a, ret);
}

static struct error *jsonb_each_of(const struct value *v, bool as_text, const char *function,
                                   struct arena *a, void **ret)
{
    struct members *m;
    TRY(members_of(v, as_text, a, &m));
    *ret = m;
    return m->object.kind == JSON_OBJECT ? NULL : wrong_call(function, "a non-object");
}

static struct error *jsonb_each(const struct value *v, int n, struct arena *a, void **ret)
{
    return jsonb_each_of(v, false, "jsonb_each", a, ret);
}

static struct error *jsonb_each_text(const struct value *v, int n, struct arena *a, void **ret)
{
    return jsonb_each_of(v, true, "jsonb_each_text", a, ret);
}

static struct error *keys_of(const struct value *v, const char *function, struct arena *a,
                             void **ret)
{
    struct members *m;
    TRY(members_of(v, false, a, &m));
    struct set_list *l = ARENA_NEW(a, struct set_list);
    *l = (struct set_list){.items = m->object.keys, .n = (size_t)m->object.n};
    *ret = l;
    if (m->object.kind == JSON_OBJECT)
        return NULL;
    return wrong_call(function, m->object.kind == JSON_ARRAY ? "an array" : "a scalar");
}

static struct error *json_keys(const struct value *v, int n, struct arena *a, void **ret)
{
    return keys_of(v, "json_object_keys", a, ret);
}

static struct error *jsonb_keys(const struct value *v, int n, struct arena *a, void **ret)
{
    return keys_of(v, "jsonb_object_keys", a, ret);
}

/* ---- the items of an array
 * -------------------------------------------------------------------------- */

static struct error *list_items(const struct json *array, bool as_text, struct arena *a, void **ret)
{
    struct set_list *l = ARENA_NEW(a, struct set_list);
    l->items = ARENA_ARRAY(a, struct value, MAX(array->n, 1));
    l->n = (size_t)array->n;
    for (int i = 0; i < array->n; i++)
        l->items[i] = as_text ? item_text(&array->items[i]) : array->items[i].source;
    *ret = l;
    return NULL;
}

static struct error *json_items_of(const struct value *v, bool as_text, const char *function,
                                   struct arena *a, void **ret)
{
    struct json j;
    TRY(types__json_read(v, JSON_READ, a, &j));
    if (j.kind == JSON_ARRAY)
        return list_items(&j, as_text, a, ret);
    return wrong_call(function, j.kind == JSON_OBJECT ? "a non-array" : "a scalar");
}

static struct error *json_items(const struct value *v, int n, struct arena *a, void **ret)
{
    return json_items_of(v, false, "json_array_elements", a, ret);
}

static struct error *json_items_text(const struct value *v, int n, struct arena *a, void **ret)
{
    return json_items_of(v, true, "json_array_elements_text", a, ret);
}

static struct error *jsonb_items_of(const struct value *v, bool as_text, struct arena *a,
                                    void **ret)
{
    struct json j;
    TRY(types__json_read(v, JSON_READ, a, &j));
    if (j.kind == JSON_ARRAY)
        return list_items(&j, as_text, a, ret);
    return error_new("22023", "cannot extract elements from %s",
                     j.kind == JSON_OBJECT ? "an object" : "a scalar");
}

static struct error *jsonb_items(const struct value *v, int n, struct arena *a, void **ret)
{
    return jsonb_items_of(v, false, a, ret);
}

static struct error *jsonb_items_text(const struct value *v, int n, struct arena *a, void **ret)
{
    return jsonb_items_of(v, true, a, ret);
}

/* ---- records: the objects of json_to_record() and json_to_recordset()
 * --------------------------------- */

static struct error *one_record(const struct value *v, int n, struct arena *a, void **ret)
{
    struct set_list *l = ARENA_NEW(a, struct set_list);
    struct json *j = ARENA_NEW(a, struct json);
    *l = (struct set_list){.items = &j->source, .n = 1}; /* of NULL a row of NULLs */
    *ret = l;
    if (v->kind == VALUE_NULL)
        return NULL;
    TRY(types__json_read(v, JSON_READ, a, j));
    if (j->kind != JSON_OBJECT && j->kind != JSON_NULL)
        return wrong_call("populate_composite", j->kind == JSON_ARRAY ? "an array" : "a scalar");
    return NULL;
}

static struct error *records(const struct value *v, const char *function, struct arena *a,
                             void **ret)
{
    bool jsonb = strncmp(function, "jsonb", 5) == 0;
    struct json j;
    TRY(types__json_read(v, JSON_READ, a, &j));
    if (j.kind != JSON_ARRAY)
        return wrong_call(function, jsonb                   ? "a non-array"
                                    : j.kind == JSON_OBJECT ? "an object"
                                                            : "a scalar");
    for (int i = 0; i < j.n; i++) {
        if (j.items[i].kind != JSON_OBJECT)
            return error_new("22023", "argument of %s must be an array of objects", function);
    }
    return list_items(&j, false, a, ret);
}

static struct error *json_records(const struct value *v, int n, struct arena *a, void **ret)
{
    return records(v, "json_to_recordset", a, ret);
}

static struct error *json_populated(const struct value *v, int n, struct arena *a, void **ret)
{
    return records(v, "json_populate_recordset", a, ret);
}

static struct error *jsonb_populated(const struct value *v, int n, struct arena *a, void **ret)
{
    return records(v, "jsonb_populate_recordset", a, ret);
}

static struct error *jsonb_records(const struct value *v, int n, struct arena *a, void **ret)
{
    return records(v, "jsonb_to_recordset", a, ret);
}

/* ---- fields of records: NULL where there is none, or null */

static struct error *field(const struct value *v, struct arena *a, const struct json **ret)
{
    struct json *j = ARENA_NEW(a, struct json);
    TRY(types__json_read(v, JSON_READ, a, j));
    *ret = j->kind == JSON_OBJECT ? types__json_member(j, v[1].s.p, v[1].s.n) : NULL;
    if (*ret && (*ret)->kind == JSON_NULL)
        *ret = NULL;
    return NULL;
}

static CALL(json_field)
{
    const struct json *j;
    TRY(field(v, a, &j));
    *ret = j ? j->source : (struct value){.kind = VALUE_NULL};
    return NULL;
}

static CALL(json_field_text)
{
    const struct json *j;
    TRY(field(v, a, &j));
    *ret = j ? item_text(j) : (struct value){.kind = VALUE_NULL};
    return NULL;
}

static void put_array(const struct json *j, struct buf *out)
{
    buf_puts(out, "{");
    for (int i = 0; i < j->n; i++) {
        const struct json *item = &j->items[i];
        struct value text = item_text(item);
        buf_puts(out, i ? "," : "");
        if (item->kind == JSON_ARRAY)
            put_array(item, out);
        else if (text.kind == VALUE_NULL)
            buf_puts(out, "NULL");
        else
            types__array_quote(text.s.p, text.s.n, out);
    }
    buf_puts(out, "}");
}

/* As an array's text form: of an array its items, of a string what it says. */
static CALL(json_field_array)
{
    const struct json *j;
    _cleanup_(buf_done) struct buf out = {0};
    TRY(field(v, a, &j));
    *ret = (struct value){.kind = VALUE_NULL};
    if (j && j->kind != JSON_ARRAY && j->kind != JSON_STRING)
        return error_hint(error_new(E_BAD_TEXT, "expected JSON array"),
                          "See the value of key \"%.*s\".", (int)v[1].s.n, v[1].s.p);
    if (j && j->kind == JSON_ARRAY) {
        put_array(j, &out);
        *ret = types__text_of(a, &out);
    } else if (j) {
        *ret = j->text;
    }
    return NULL;
}

/* ---- rows
 * ------------------------------------------------------------------------------------------- */

static const struct set_column json_pair[] = {{"key", OID_TEXT}, {"value", OID_JSON}},
                               jsonb_pair[] = {{"key", OID_TEXT}, {"value", OID_JSONB}},
                               text_pair[] = {{"key", OID_TEXT}, {"value", OID_TEXT}},
                               json_value[] = {{"value", OID_JSON}},
                               jsonb_value[] = {{"value", OID_JSONB}},
                               text_value[] = {{"value", OID_TEXT}};

static const struct set each_set = {2, json_pair, json_each, each_next},
                        each_text_set = {2, text_pair, json_each_text, each_next},
                        jsonb_each_set = {2, jsonb_pair, jsonb_each, each_next},
                        jsonb_each_text_set = {2, text_pair, jsonb_each_text, each_next},
                        keys_set = {1, NULL, json_keys, types__set_list_next},
                        jsonb_keys_set = {1, NULL, jsonb_keys, types__set_list_next},
                        items_set = {1, json_value, json_items, types__set_list_next},
                        items_text_set = {1, text_value, json_items_text, types__set_list_next},
                        jsonb_items_set = {1, jsonb_value, jsonb_items, types__set_list_next},
                        jsonb_items_text_set = {1, text_value, jsonb_items_text,
                                                types__set_list_next},
                        record_set = {1, json_value, one_record, types__set_list_next},
                        jsonb_record_set = {1, jsonb_value, one_record, types__set_list_next},
                        records_set = {1, json_value, json_records, types__set_list_next},
                        jsonb_records_set = {1, jsonb_value, jsonb_records, types__set_list_next},
                        populated_set = {1, json_value, json_populated, types__set_list_next},
                        jsonb_populated_set = {1, jsonb_value, jsonb_populated,
                                               types__set_list_next};

#define ROWS(n, arg, r, s)                                                                         \
    {                                                                                              \
        .name = n, .kind = FUNC_SET, .nargs = 1, .args = {arg}, .result = r, .strict = true,       \
        .set = &s                                                                                  \
    }
#define RECORD(n, type, s)                                                                         \
    {                                                                                              \
        .name = n, .kind = FUNC_SET, .nargs = 1, .args = {type}, .result = type, .set = &s         \
    }
#define J OID_JSON
#define JB OID_JSONB

static const struct func rows[] = {
    ROWS("json_each", J, OID_RECORD, each_set),
    ROWS("json_each_text", J, OID_RECORD, each_text_set),
    ROWS("jsonb_each", JB, OID_RECORD, jsonb_each_set),
    ROWS("jsonb_each_text", JB, OID_RECORD, jsonb_each_text_set),
    ROWS("json_object_keys", J, OID_TEXT, keys_set),
    ROWS("jsonb_object_keys", JB, OID_TEXT, jsonb_keys_set),
    ROWS("json_array_elements", J, J, items_set),
    ROWS("json_array_elements_text", J, OID_TEXT, items_text_set),
    ROWS("jsonb_array_elements", JB, JB, jsonb_items_set),
    ROWS("jsonb_array_elements_text", JB, OID_TEXT, jsonb_items_text_set),
    RECORD("minisql_json_record", J, record_set),
    RECORD("minisql_jsonb_record", JB, jsonb_record_set),
    ROWS("minisql_json_records", J, J, records_set),
    ROWS("minisql_jsonb_records", JB, JB, jsonb_records_set),
    ROWS("minisql_json_populated", J, J, populated_set),
    ROWS("minisql_jsonb_populated", JB, JB, jsonb_populated_set),
    SCALAR2("minisql_json_field", J, OID_TEXT, J, "minisql_json_field", json_field),
    SCALAR2("minisql_json_field", JB, OID_TEXT, JB, "minisql_json_field", json_field),
    SCALAR2("minisql_json_field_text", J, OID_TEXT, OID_TEXT, "minisql_json_field_text",
            json_field_text),
    SCALAR2("minisql_json_field_text", JB, OID_TEXT, OID_TEXT, "minisql_json_field_text",
            json_field_text),
    SCALAR2("minisql_json_field_array", J, OID_TEXT, OID_TEXT, "minisql_json_field_array",
            json_field_array),
    SCALAR2("minisql_json_field_array", JB, OID_TEXT, OID_TEXT, "minisql_json_field_array",
            json_field_array),
};

const struct func_rows types__json_row_funcs = {rows, ARRAY_LEN(rows)};
