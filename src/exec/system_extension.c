/* pg_extension and what is told of extensions that could be created. */
#include "exec/system.h"

enum { ALWAYS_OID = 13559 };

static const struct object *created(const struct exec__maker *m, const struct sql_extension *x)
{
    return catalog_object(m->view, OBJ_EXTENSION, "", x->name);
}

static bool is_there(const struct exec__maker *m, const struct sql_extension *x)
{
    return x->always || created(m, x);
}

static struct error *make_pg_extension(struct exec__maker *m)
{
    for (size_t i = 0; i < sql_n_extensions; i++) {
        const struct sql_extension *x = &sql_extensions[i];
        if (!is_there(m, x))
            continue;
        exec__put_int(m, "oid", x->always ? ALWAYS_OID : catalog_oid(created(m, x)->id));
        exec__put_text(m, "extname", x->name);
        exec__put_int(m, "extowner", EXEC__OWNER);
        exec__put_int(m, "extnamespace",
                      x->always ? EXEC__CATALOG : exec__namespace_oid(m->view, "public"));
        exec__put_int(m, "extrelocatable", !x->always);
        exec__put_text(m, "extversion", x->version);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_available(struct exec__maker *m)
{
    for (size_t i = 0; i < sql_n_extensions; i++) {
        const struct sql_extension *x = &sql_extensions[i];
        exec__put_text(m, "name", x->name);
        exec__put_text(m, "default_version", x->version);
        if (is_there(m, x))
            exec__put_text(m, "installed_version", x->version);
        exec__put_text(m, "comment", x->comment);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_versions(struct exec__maker *m)
{
    for (size_t i = 0; i < sql_n_extensions; i++) {
        const struct sql_extension *x = &sql_extensions[i];
        exec__put_text(m, "name", x->name);
        exec__put_text(m, "version", x->version);
        exec__put_int(m, "installed", is_there(m, x));
        exec__put_int(m, "superuser", true);
        exec__put_int(m, "trusted", true);
        exec__put_int(m, "relocatable", !x->always);
        if (x->always)
            exec__put_text(m, "schema", "pg_catalog");
        exec__put_text(m, "comment", x->comment);
        TRY(exec__give(m));
    }
    return NULL;
}

const struct exec__making exec__making_extensions[] = {
    {.schema = "pg_catalog", .relation = "pg_extension", .make = make_pg_extension},
    {.schema = "pg_catalog", .relation = "pg_available_extensions", .make = make_available},
    {.schema = "pg_catalog", .relation = "pg_available_extension_versions", .make = make_versions},
    {0}};
