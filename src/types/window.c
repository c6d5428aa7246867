/*
 * Window functions. SQLite has the same ones with the same meaning; only result types and argument
 * types are told here, one row for each type that a value may have.
 */
#include "types/types_int.h"

#define W0(n, r, e)                                                                                \
    {                                                                                              \
        .name = n, .kind = FUNC_WINDOW, .nargs = 0, .result = r, .emit = e                         \
    }
#define W1(n, a, r, e)                                                                             \
    {                                                                                              \
        .name = n, .kind = FUNC_WINDOW, .nargs = 1, .args = {a}, .result = r, .emit = e            \
    }
#define W2(n, a, b, r, e)                                                                          \
    {                                                                                              \
        .name = n, .kind = FUNC_WINDOW, .nargs = 2, .args = {a, b}, .result = r, .emit = e         \
    }
#define W3(n, a, b, c, r, e)                                                                       \
    {                                                                                              \
        .name = n, .kind = FUNC_WINDOW, .nargs = 3, .args = {a, b, c}, .result = r, .emit = e      \
    }

#define VALUE_FUNCS(T)                                                                             \
    W1("lag", T, T, "lag($1)"), W2("lag", T, OID_INT4, T, "lag($1, $2)"),                          \
        W3("lag", T, OID_INT4, T, T, "lag($1, $2, $3)"), W1("lead", T, T, "lead($1)"),             \
        W2("lead", T, OID_INT4, T, "lead($1, $2)"),                                                \
        W3("lead", T, OID_INT4, T, T, "lead($1, $2, $3)"),                                         \
        W1("first_value", T, T, "first_value($1)"), W1("last_value", T, T, "last_value($1)"),      \
        W2("nth_value", T, OID_INT4, T, "nth_value($1, $2)")

static const struct func rows[] = {
    W0("row_number", OID_INT8, "row_number()"),
    W0("rank", OID_INT8, "rank()"),
    W0("dense_rank", OID_INT8, "dense_rank()"),
    W0("percent_rank", OID_FLOAT8, "percent_rank()"),
    W0("cume_dist", OID_FLOAT8, "cume_dist()"),
    W1("ntile", OID_INT4, OID_INT4, "ntile($1)"),
    VALUE_FUNCS(OID_BOOL),
    VALUE_FUNCS(OID_INT2),
    VALUE_FUNCS(OID_INT4),
    VALUE_FUNCS(OID_INT8),
    VALUE_FUNCS(OID_FLOAT4),
    VALUE_FUNCS(OID_FLOAT8),
    VALUE_FUNCS(OID_NUMERIC),
    VALUE_FUNCS(OID_TEXT),
    VALUE_FUNCS(OID_VARCHAR),
    VALUE_FUNCS(OID_BPCHAR),
    VALUE_FUNCS(OID_NAME),
    VALUE_FUNCS(OID_OID),
    VALUE_FUNCS(OID_DATE),
    VALUE_FUNCS(OID_TIMESTAMP),
    VALUE_FUNCS(OID_TIMESTAMPTZ),
};

const struct func_rows types__window_funcs = {rows, ARRAY_LEN(rows)};
