/* Functions that are about the session. What pg_notify() does is the gateway's, which says so for
 * as long as it runs a statement. */
#include "types/types_int.h"

static _Thread_local const struct types_notifier *notifier;

void types_set_notifier(const struct types_notifier *n)
{
    notifier = n;
}

static CALL(pg_notify)
{
    if (!notifier)
        return error_hint(
            error_new(E_UNSUPPORTED, "pg_notify() over the rows of a table is not supported"),
            "Use NOTIFY, or SELECT pg_notify(..) without FROM.");
    const char *texts[2] = {"", ""};
    for (int i = 0; i < n; i++)
        if (v[i].kind == VALUE_TEXT)
            texts[i] = arena_strndup(a, v[i].s.p, v[i].s.n);
    *ret = (struct value){.kind = VALUE_TEXT, .s = {"", 0}};
    return notifier->notify(notifier->ctx, texts[0], texts[1]);
}

static const struct func rows[] = {
    {.name = "pg_notify",
     .kind = FUNC_SCALAR,
     .nargs = 2,
     .args = {OID_TEXT, OID_TEXT},
     .result = OID_VOID,
     .volatile_ = true,
     .sqlite_name = "pg_notify",
     .call = pg_notify},
};

const struct func_rows types__notify_funcs = {rows, ARRAY_LEN(rows)};
