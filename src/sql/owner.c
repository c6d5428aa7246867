/*
 * ALTER .. OWNER TO: whoever is connected owns everything, so that there is nothing to change;
 * dumps are full of it. The object and the role have to be there.
 */
#include "sql_int.h"

static struct error *check_role(const struct analysis *a, const RoleSpec *role)
{
    const char *user = a->ctx->user;
    if (role->roletype != ROLESPEC_CSTRING || !user || strcmp(role->rolename, user) == 0 ||
        strcmp(role->rolename, "pg_database_owner") == 0)
        return NULL;
    return error_hint(error_new(E_UNDEFINED_OBJECT, "role \"%s\" does not exist", role->rolename),
                      "Roles do not exist yet: who is connected owns everything. pg_dump "
                      "--no-owner leaves it out.");
}

static bool relation_exists(const struct analysis *a, const RangeVar *rv)
{
    const struct index *x;
    if (sql__lookup_table(a, rv) || sql__lookup_index(a, rv, &x))
        return true;
    if (rv->schemaname)
        return sql__relation_exists(a, rv->schemaname, rv->relname);
    for (int i = 0; i < a->path->n; i++)
        if (sql__relation_exists(a, a->path->schemas[i], rv->relname))
            return true;
    return false;
}

bool sql__is_owner_change(const AlterTableStmt *n)
{
    return list_length(n->cmds) == 1 &&
           ((const AlterTableCmd *)linitial(n->cmds))->subtype == AT_ChangeOwner;
}

struct error *sql__change_owner(struct analysis *a, const AlterTableStmt *n)
{
    a->q->kind = QUERY_MAINTENANCE;
    a->q->tag = n->objtype == OBJECT_VIEW       ? "ALTER VIEW"
                : n->objtype == OBJECT_SEQUENCE ? "ALTER SEQUENCE"
                : n->objtype == OBJECT_INDEX    ? "ALTER INDEX"
                                                : "ALTER TABLE";
    if (!relation_exists(a, n->relation)) {
        if (!n->missing_ok)
            return error_new(E_UNDEFINED_TABLE, "relation \"%s\" does not exist",
                             n->relation->relname);
        sql__notice(a, "00000", NULL, "relation \"%s\" does not exist, skipping",
                    n->relation->relname);
        return NULL;
    }
    return check_role(a, ((const AlterTableCmd *)linitial(n->cmds))->newowner);
}

struct error *sql__alter_owner(struct analysis *a, const AlterOwnerStmt *n)
{
    uint64_t id;
    a->q->kind = QUERY_MAINTENANCE;
    if (n->objectType == OBJECT_SCHEMA) {
        const char *name = strVal(n->object);
        a->q->tag = "ALTER SCHEMA";
        if (a->ctx->view && !catalog_schema(a->ctx->view, name))
            return sql__no_schema(name);
    } else if (n->objectType == OBJECT_DATABASE) {
        const char *name = strVal(n->object);
        a->q->tag = "ALTER DATABASE";
        if (a->ctx->view && !catalog_database(a->ctx->view, name, &id))
            return error_new("3D000", "database \"%s\" does not exist", name);
    } else if (n->objectType == OBJECT_TYPE || n->objectType == OBJECT_DOMAIN) {
        const struct object *o;
        a->q->tag = n->objectType == OBJECT_TYPE ? "ALTER TYPE" : "ALTER DOMAIN";
        TRY(sql__find_type(a, (const List *)n->object, &o));
    } else {
        return sql__unsupported(a, -1, "Leave it out: who is connected owns everything.",
                                "ALTER ... OWNER of this kind of object is not supported");
    }
    return check_role(a, n->newowner);
}
