/*
 * Window functions. SQLite has the same ones with the same meaning; only result types and argument
 * types are told here.
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

static const struct func rows[] = {
    W0("row_number", OID_INT8, "row_number()"),
    W0("rank", OID_INT8, "rank()"),
    W0("dense_rank", OID_INT8, "dense_rank()"),
    W0("percent_rank", OID_FLOAT8, "percent_rank()"),
    W0("cume_dist", OID_FLOAT8, "cume_dist()"),
    W1("ntile", OID_INT4, OID_INT4, "ntile($1)"),
    W1("lag", OID_ANYELEMENT, OID_ANYELEMENT, "lag($1)"),
    W2("lag", OID_ANYELEMENT, OID_INT4, OID_ANYELEMENT, "lag($1, $2)"),
    /* an offset of NULL gives NULL, where SQLite gives the default */
    W3("lag", OID_ANYCOMPATIBLE, OID_INT4, OID_ANYCOMPATIBLE, OID_ANYCOMPATIBLE,
       "lag($1, $2, iif($2 IS NULL, NULL, $3))"),
    W1("lead", OID_ANYELEMENT, OID_ANYELEMENT, "lead($1)"),
    W2("lead", OID_ANYELEMENT, OID_INT4, OID_ANYELEMENT, "lead($1, $2)"),
    W3("lead", OID_ANYCOMPATIBLE, OID_INT4, OID_ANYCOMPATIBLE, OID_ANYCOMPATIBLE,
       "lead($1, $2, iif($2 IS NULL, NULL, $3))"),
    W1("first_value", OID_ANYELEMENT, OID_ANYELEMENT, "first_value($1)"),
    W1("last_value", OID_ANYELEMENT, OID_ANYELEMENT, "last_value($1)"),
    W2("nth_value", OID_ANYELEMENT, OID_INT4, OID_ANYELEMENT, "nth_value($1, $2)"),
};

const struct func_rows types__window_funcs = {rows, ARRAY_LEN(rows)};
