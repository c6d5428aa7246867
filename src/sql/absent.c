/*
 * DROP of what can't be created here, so that there is none: functions, triggers, rules, policies,
 * roles. Scripts begin with DROP .. IF EXISTS of all that they are about to create.
 */
#include "sql_int.h"

static const char *dotted(const struct analysis *a, const List *names)
{
    const char *text = strVal(linitial(names));
    for (int i = 1; i < list_length(names); i++)
        text = arena_printf(a->arena, "%s.%s", text, strVal(list_nth(names, i)));
    return text;
}

/* Does not do, or is told of and passed over. */
static struct error *missing(struct analysis *a, bool missing_ok, struct error *e)
{
    if (!missing_ok)
        return e;
    sql__notice(a, "00000", NULL, "%s, skipping", e->message);
    error_free(e);
    return NULL;
}

/* *ret_gone: a schema that is named is not there, which is all there is to say. */
static struct error *check_place(struct analysis *a, const char *schema, bool missing_ok,
                                 bool *ret_gone)
{
    *ret_gone = schema && !catalog_schema(a->ctx->view, schema);
    return *ret_gone ? missing(a, missing_ok, sql__no_schema(schema)) : NULL;
}

/* ---- functions ------------------------------------------------------------------------------ */

struct words {
    ObjectType type;
    const char *tag, *what, *resolved; /* as PostgreSQL calls them, before and after looking */
};

static const struct words functions[] = {
    {OBJECT_FUNCTION, "DROP FUNCTION", "function", "function"},
    {OBJECT_PROCEDURE, "DROP PROCEDURE", "procedure", "procedure"},
    {OBJECT_ROUTINE, "DROP ROUTINE", "routine", "function"},
    {OBJECT_AGGREGATE, "DROP AGGREGATE", "aggregate", "aggregate"},
};

/* "int4,text[]", or as types are called ("integer,text[]"); 42704 for one that is not there. */
static struct error *types_of(struct analysis *a, const ObjectWithArgs *o, bool resolved,
                              const char **ret)
{
    const ListCell *cell;
    *ret = "";
    foreach (cell, o->objargs) {
        const TypeName *n = lfirst(cell);
        const struct type *t = NULL;
        int32_t typmod;
        TRY(sql__type_name(a, n, &t, &typmod, NULL));
        const char *name = resolved ? sql__type(a, t->oid)
                                    : arena_printf(a->arena, "%s%s", dotted(a, n->names),
                                                   n->arrayBounds ? "[]" : "");
        *ret = arena_printf(a->arena, "%s%s%s", *ret, **ret ? resolved ? ", " : "," : "", name);
    }
    return NULL;
}

static struct error *drop_function(struct analysis *a, const struct words *w,
                                   const ObjectWithArgs *o, bool missing_ok)
{
    const char *name = dotted(a, o->objname), *last = strVal(llast(o->objname)), *types = "";
    const char *schema = list_length(o->objname) > 1 ? strVal(linitial(o->objname)) : NULL;
    bool gone, any = w->type == OBJECT_AGGREGATE && !o->objargs;
    TRY(check_place(a, schema, missing_ok, &gone));
    if (gone)
        return NULL;
    for (int kind = FUNC_SCALAR; kind <= FUNC_SET; kind++)
        if (kind != FUNC_OPERATOR && func_exists(last, kind))
            return error_new(
                "2BP01", "cannot drop function %s because it is required by the database system",
                name);
    struct error *e = types_of(a, o, !missing_ok, &types);
    if (e)
        e->position = 0; /* PostgreSQL tells no place here */
    if (e)
        return error_is(e, E_UNDEFINED_OBJECT) ? missing(a, missing_ok, e) : e;
    if (!missing_ok && o->args_unspecified)
        return error_new("42883", "could not find a %s named \"%s\"", w->resolved, name);
    e = error_new("42883", "%s %s(%s) does not exist", missing_ok ? w->what : w->resolved, name,
                  any && !missing_ok ? "*" : types);
    return missing(a, missing_ok, e);
}

/* ---- what hangs on a table --------------------------------------------------------------------
 */

static const struct words parts[] = {
    {OBJECT_TRIGGER, "DROP TRIGGER", "trigger", "table"},
    {OBJECT_RULE, "DROP RULE", "rule", "relation"},
    {OBJECT_POLICY, "DROP POLICY", "policy", "table"},
};

static struct error *drop_part(struct analysis *a, const struct words *w, const List *names,
                               bool missing_ok)
{
    List table = *names; /* all but the last are the table's */
    table.length--;
    RangeVar rv = sql__range_var(&table);
    const struct table *t = NULL;
    bool gone;
    TRY(check_place(a, rv.schemaname, missing_ok, &gone));
    if (gone)
        return NULL;
    struct error *e = sql__find_relation(a, &rv, &t);
    if (e)
        return error_is(e, E_UNDEFINED_TABLE) ? missing(a, missing_ok, e) : e;
    return missing(a, missing_ok,
                   error_new(E_UNDEFINED_OBJECT, "%s \"%s\" for %s \"%s\" does not exist", w->what,
                             strVal(llast(names)), missing_ok ? "relation" : w->resolved,
                             missing_ok ? dotted(a, &table) : rv.relname));
}

/* ---- all ------------------------------------------------------------------------------------ */

static const struct words *find(const struct words *w, size_t n, ObjectType type)
{
    for (size_t i = 0; i < n; i++)
        if (w[i].type == type)
            return &w[i];
    return NULL;
}

struct error *sql__drop_absent(struct analysis *a, const DropStmt *n)
{
    const struct words *function = find(functions, ARRAY_LEN(functions), n->removeType);
    const struct words *part = find(parts, ARRAY_LEN(parts), n->removeType);
    const ListCell *cell;
    if (!function && !part)
        return sql__unsupported(a, -1, "There are none of it.",
                                "DROP of this kind of object is not supported");
    sql__change_objects(a, function ? function->tag : part->tag);
    foreach (cell, n->objects)
        TRY(function ? drop_function(a, function, lfirst(cell), n->missing_ok)
                     : drop_part(a, part, lfirst(cell), n->missing_ok));
    return NULL;
}

struct error *sql__drop_role(struct analysis *a, const DropRoleStmt *n)
{
    const ListCell *cell;
    sql__change_objects(a, "DROP ROLE");
    foreach (cell, n->roles) {
        const RoleSpec *r = lfirst(cell);
        if (r->roletype != ROLESPEC_CSTRING)
            return error_new("22023", "cannot use special role specifier in DROP ROLE");
        if (a->ctx->user && strcmp(r->rolename, a->ctx->user) == 0)
            return error_new("55006", "current user cannot be dropped");
        TRY(missing(a, n->missing_ok,
                    error_new(E_UNDEFINED_OBJECT, "role \"%s\" does not exist", r->rolename)));
    }
    return NULL;
}
