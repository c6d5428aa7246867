/*
 * f(VARIADIC array): functions whose last argument may repeat, over the items of an array. The
 * analyser calls minisql_spread_f with text[], whatever the array holds, as these functions take
 * their arguments as text.
 */
#include "types/types_int.h"

enum { MAX_SPREAD = 100000 };

/* The leading values and the array's items, as one list. */
static struct error *spread(const char *name, uint32_t first, const struct value *v, int n,
                            struct arena *a, struct value *ret)
{
    const uint32_t types[3] = {first, OID_TEXT, OID_TEXT};
    const struct func *f;
    struct array items = {0};
    TRY(func_resolve(name, FUNC_SCALAR, types, n == 1 ? 1 : 2, &f));
    if (v[n - 1].kind != VALUE_NULL)
        TRY(types__array_read(type_by_oid(OID_TEXT), &v[n - 1], a, &items));
    if (items.n > MAX_SPREAD)
        return error_new("54023", "cannot pass more than %d arguments to a function", MAX_SPREAD);
    int all = n - 1 + (int)items.n;
    struct value *args = ARENA_ARRAY(a, struct value, MAX(all, 1));
    for (int i = 0; i < n - 1; i++)
        args[i] = v[i];
    for (size_t i = 0; i < items.n; i++)
        args[n - 1 + (int)i] = items.items[i];
    return f->call(args, all, a, ret);
}

static CALL(spread_concat)
{
    return spread("concat", OID_TEXT, v, n, a, ret);
}

static CALL(spread_concat_ws)
{
    return spread("concat_ws", OID_TEXT, v, n, a, ret);
}

/* A NULL array is one without items here, and NULL elsewhere. */
static CALL(spread_format)
{
    *ret = (struct value){.kind = VALUE_NULL};
    return v[0].kind == VALUE_NULL ? NULL : spread("format", OID_TEXT, v, n, a, ret);
}

static CALL(spread_num_nulls)
{
    return spread("num_nulls", OID_TEXT, v, n, a, ret);
}

static CALL(spread_num_nonnulls)
{
    return spread("num_nonnulls", OID_TEXT, v, n, a, ret);
}

#define PATH(fn, name, type)                                                                       \
    static CALL(fn)                                                                                \
    {                                                                                              \
        return spread(name, type, v, n, a, ret);                                                   \
    }
PATH(spread_json_path, "json_extract_path", OID_JSON)
PATH(spread_jsonb_path, "jsonb_extract_path", OID_JSONB)
PATH(spread_json_path_text, "json_extract_path_text", OID_JSON)
PATH(spread_jsonb_path_text, "jsonb_extract_path_text", OID_JSONB)

#define T OID_TEXT
#define TA OID_TEXT_ARRAY
static const struct func rows[] = {
    SCALAR1("minisql_spread_concat", TA, T, "minisql_spread_concat", spread_concat),
    SCALAR2("minisql_spread_concat_ws", T, TA, T, "minisql_spread_concat_ws", spread_concat_ws),
    {.name = "minisql_spread_format",
     .kind = FUNC_SCALAR,
     .nargs = 2,
     .args = {T, TA},
     .result = T,
     .sqlite_name = "minisql_spread_format",
     .call = spread_format},
    SCALAR1("minisql_spread_num_nulls", TA, OID_INT4, "minisql_spread_num_nulls", spread_num_nulls),
    SCALAR1("minisql_spread_num_nonnulls", TA, OID_INT4, "minisql_spread_num_nonnulls",
            spread_num_nonnulls),
    SCALAR2("minisql_spread_json_extract_path", OID_JSON, TA, OID_JSON, "minisql_spread_json_path",
            spread_json_path),
    SCALAR2("minisql_spread_jsonb_extract_path", OID_JSONB, TA, OID_JSONB,
            "minisql_spread_jsonb_path", spread_jsonb_path),
    SCALAR2("minisql_spread_json_extract_path_text", OID_JSON, TA, T,
            "minisql_spread_json_path_text", spread_json_path_text),
    SCALAR2("minisql_spread_jsonb_extract_path_text", OID_JSONB, TA, T,
            "minisql_spread_jsonb_path_text", spread_jsonb_path_text),
};

const struct func_rows types__spread_funcs = {rows, ARRAY_LEN(rows)};
