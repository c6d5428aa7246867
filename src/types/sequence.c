/*
 * nextval and its kin. Their values are the server's (exec/sequence.c): these rows pass the call on
 * to the host of the running statement (types_host_set).
 *
 * A sequence is named by text, as regclass takes it ('public.s', '"S"'), or by its object id.
 */
#include "types/types_int.h"

static _Thread_local const struct types_host *host;

const struct types_host *types_host_set(const struct types_host *h)
{
    const struct types_host *before = host;
    host = h;
    return before;
}

static struct error *ask(enum sequence_call what, const struct value *args, int nargs,
                         struct arena *a, struct value *ret)
{
    if (!host || !host->sequence)
        return error_hint(error_new(E_UNSUPPORTED, "sequences can't be used here"),
                          "Use them in SELECT, INSERT, UPDATE and DELETE.");
    return host->sequence(host->ctx, what, args, nargs, a, ret);
}

#define ASK(name, what)                                                                            \
    static CALL(name)                                                                              \
    {                                                                                              \
        return ask(what, v, n, a, ret);                                                            \
    }
ASK(next_value, SEQUENCE_NEXT)
ASK(current_value, SEQUENCE_CURRENT)
ASK(last_value, SEQUENCE_LAST)
ASK(set_value, SEQUENCE_SET)

#define ROW(n, count, types, r, sql, fn)                                                           \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .nargs = count, .args = types, .result = r,                \
        .strict = true, .volatile_ = true, .sqlite_name = sql, .call = fn                          \
    }
#define ARGS(...)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static const struct func rows[] = {
    ROW("nextval", 1, ARGS(OID_TEXT), OID_INT8, "sequence_next", next_value),
    ROW("nextval", 1, ARGS(OID_REGCLASS), OID_INT8, "sequence_next_oid", next_value),
    ROW("currval", 1, ARGS(OID_TEXT), OID_INT8, "sequence_current", current_value),
    ROW("currval", 1, ARGS(OID_REGCLASS), OID_INT8, "sequence_current_oid", current_value),
    ROW("lastval", 0, ARGS(0), OID_INT8, "sequence_last", last_value),
    ROW("setval", 2, ARGS(OID_TEXT, OID_INT8), OID_INT8, "sequence_set", set_value),
    ROW("setval", 2, ARGS(OID_REGCLASS, OID_INT8), OID_INT8, "sequence_set_oid", set_value),
    ROW("setval", 3, ARGS(OID_TEXT, OID_INT8, OID_BOOL), OID_INT8, "sequence_set3", set_value),
    ROW("setval", 3, ARGS(OID_REGCLASS, OID_INT8, OID_BOOL), OID_INT8, "sequence_set3_oid",
        set_value),
};

const struct func_rows types__sequence_funcs = {rows, ARRAY_LEN(rows)};
