/*
 * What gives the same for ever, as PostgreSQL sees it: the expressions of indexes and of generated
 * columns have to. What hangs on the session (its time zone, its names) would be one thing in the
 * file and another in a query.
 */
#include "sql_int.h"

/* Functions that PostgreSQL calls stable though nothing in their types says so, nor func->stable.
 */
static const char *const stable[] = {
    "concat",
    "concat_ws",
    "format",
    "to_char",
    "to_date",
    "array_to_string",
    "to_json",
    "to_jsonb",
    "row_to_json",
    "array_to_json",
    "json_build_array",
    "json_build_object",
    "jsonb_build_array",
    "jsonb_build_object",
    "quote_literal",
    "quote_nullable",
};

static bool has_zone(uint32_t type)
{
    return type == OID_TIMESTAMPTZ;
}

static bool is_text(uint32_t type)
{
    const struct type *t = type_by_oid(type);
    return t && t->category == 'S';
}

static bool is_range(uint32_t type)
{
    const struct type *t = type_by_oid(type);
    return t && t->category == 'R';
}

/* Values whose text hangs on settings: dates, labels that can be renamed, ranges and rows of such.
 */
static bool has_unstable_text(uint32_t type, bool reading)
{
    const struct type *t = type_by_oid(type);
    if (!t)
        return false;
    bool clock = type == OID_TIME || type == OID_TIMETZ || type == OID_INTERVAL;
    return t->category == 'E' || is_range(type) || type_is_row(t) ||
           (t->category == 'D' && (reading || !clock)) || (type == OID_INTERVAL && reading);
}

static bool hangs_on_zone(const struct expr *e, const char *name)
{
    bool zone = has_zone(e->type), other = !zone;
    if (e->type == OID_TIMETZ && strcmp(name, "timezone") == 0)
        return true; /* the offset that a zone has today */
    if (strcmp(name, "timezone") == 0 || strcmp(name, "to_timestamp") == 0)
        return e->n_args != (strcmp(name, "timezone") == 0 ? 2 : 1);
    for (int i = 0; i < e->n_args; i++) {
        zone |= has_zone(e->args[i]->type);
        other |= !has_zone(e->args[i]->type);
    }
    if (!zone || !other)
        return false;
    for (int i = 0; i < e->n_args; i++)
        if (!has_zone(e->args[i]->type))
            return true;
    return e->type != OID_BOOL && e->type != OID_INTERVAL && e->type != OID_INT4;
}

static bool is_stable_call(const struct expr *e)
{
    const char *name = e->call.func->name;
    const struct func *f = e->call.func;
    if (f->volatile_ || f->stable || f->system || hangs_on_zone(e, name))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(stable); i++)
        if (strcmp(name, stable[i]) == 0)
            return true;
    if (strcmp(name, "||") != 0 || !is_text(e->type))
        return false;
    bool other = false; /* text || whatever becomes another text at another time */
    for (int i = 0; i < e->n_args; i++)
        other |= !is_text(e->args[i]->type) && has_unstable_text(e->args[i]->type, false);
    return other;
}

static bool is_stable_cast(const struct expr *e)
{
    uint32_t from = e->args[0]->type, to = e->type;
    if (is_text(to))
        return has_unstable_text(from, false);
    if (is_text(from))
        return has_unstable_text(to, true);
    return has_zone(from) != has_zone(to) || (from == OID_TIME && to == OID_TIMETZ);
}

bool sql__is_stable_step(const struct expr *e)
{
    if (e->kind == EXPR_FUNC && e->call.func)
        return is_stable_call(e);
    return e->kind == EXPR_CAST && is_stable_cast(e);
}

static bool find_stable(void *ctx, const struct expr *e)
{
    bool *found = ctx;
    *found |= e->kind == EXPR_PARAM /* the time, the user */ || sql__is_stable_step(e);
    return !*found;
}

bool sql__is_immutable(const struct expr *e)
{
    bool found = false;
    expr_walk(e, false, find_stable, &found);
    return !found;
}
