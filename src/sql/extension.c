/*
 * CREATE, ALTER and DROP EXTENSION, for programs that begin by asking for one. What an extension
 * brings is a part of MiniSQL (types/crypto.c) and there without it; the record says that it was
 * asked for, in pg_extension and for pg_dump.
 */
#include "sql_int.h"

/* plpgsql is in every database of PostgreSQL, so that every dump and every migration counts on it;
 * here nothing can be written in it. */
const struct sql_extension sql_extensions[] = {
    {"pgcrypto", "1.3", "cryptographic functions", false},
    {"plpgsql", "1.0", "PL/pgSQL procedural language", true},
    {"uuid-ossp", "1.1", "generate universally unique identifiers (UUIDs)", false},
};
const size_t sql_n_extensions = ARRAY_LEN(sql_extensions);

/* Dumps write public.uuid_generate_v4(). */
const char *sql_extension_schema(const char *function)
{
    static const char *const functions[] = {
        "crypt", "digest",           "gen_random_bytes", "gen_random_uuid",  "gen_salt",
        "hmac",  "uuid_generate_v3", "uuid_generate_v4", "uuid_generate_v5",
    };
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (strcmp(functions[i], function) == 0)
            return "public";
    return NULL;
}

static const struct sql_extension *available(const char *name)
{
    for (size_t i = 0; i < sql_n_extensions; i++)
        if (strcmp(sql_extensions[i].name, name) == 0)
            return &sql_extensions[i];
    return NULL;
}

static const struct object *created(const struct analysis *a, const char *name)
{
    return a->ctx->view ? catalog_object(a->ctx->view, OBJ_EXTENSION, "", name) : NULL;
}

static bool exists(const struct analysis *a, const char *name)
{
    const struct sql_extension *x = available(name);
    return x && (x->always || created(a, name));
}

static struct error *no_extension(const char *name)
{
    return error_new(E_UNDEFINED_OBJECT, "extension \"%s\" does not exist", name);
}

static const DefElem *find_option(const List *options, const char *name)
{
    const ListCell *cell;
    foreach (cell, options) {
        const DefElem *d = lfirst(cell);
        if (strcmp(d->defname, name) == 0)
            return d;
    }
    return NULL;
}

/* The version that is asked for, if it is not the one that there is; else NULL. */
static const char *other_version(const struct sql_extension *x, const List *options)
{
    const DefElem *d = find_option(options, "new_version");
    return d && strcmp(strVal(d->arg), x->version) != 0 ? strVal(d->arg) : NULL;
}

struct error *sql__create_extension(struct analysis *a, const CreateExtensionStmt *n)
{
    const struct sql_extension *x = available(n->extname);
    sql__change_objects(a, "CREATE EXTENSION");
    if (exists(a, n->extname)) {
        if (!n->if_not_exists)
            return error_new("42710", "extension \"%s\" already exists", n->extname);
        sql__notice(a, "42710", NULL, "extension \"%s\" already exists, skipping", n->extname);
        return NULL;
    }
    if (!x)
        return error_hint(error_new(E_UNSUPPORTED, "extension \"%s\" is not available", n->extname),
                          "See pg_available_extensions for those that are.");
    const char *other = other_version(x, n->options);
    if (other)
        return error_new("22023",
                         "extension \"%s\" has no installation script nor update path for version "
                         "\"%s\"",
                         x->name, other);
    const DefElem *schema = find_option(n->options, "schema");
    if (schema && !catalog_schema(a->ctx->view, strVal(schema->arg)))
        return sql__no_schema(strVal(schema->arg));
    if (schema && strcmp(strVal(schema->arg), "public") != 0)
        return sql__unsupported(a, -1, "Leave SCHEMA out, and its functions' schema too.",
                                "an extension in another schema than public is not supported");
    sql__change_object(a, NULL, sql__new_object(a, OBJ_EXTENSION, "", n->extname));
    return NULL;
}

struct error *sql__alter_extension(struct analysis *a, const AlterExtensionStmt *n)
{
    const struct sql_extension *x = available(n->extname);
    sql__change_objects(a, "ALTER EXTENSION");
    if (!exists(a, n->extname))
        return no_extension(n->extname);
    const char *other = other_version(x, n->options);
    if (other)
        return error_new("22023",
                         "extension \"%s\" has no update path from version \"%s\" to version "
                         "\"%s\"",
                         x->name, x->version, other);
    sql__notice(a, "00000", NULL, "version \"%s\" of extension \"%s\" is already installed",
                x->version, x->name);
    return NULL;
}

struct error *sql__drop_extension(struct analysis *a, const DropStmt *n)
{
    const ListCell *cell;
    sql__change_objects(a, "DROP EXTENSION");
    foreach (cell, n->objects) {
        const char *name = strVal(lfirst(cell));
        const struct object *o = created(a, name);
        if (o)
            sql__change_object(a, o, NULL);
        else if (exists(a, name))
            return sql__unsupported(a, -1, NULL, "extension \"%s\" cannot be dropped", name);
        else if (n->missing_ok)
            sql__notice(a, "00000", NULL, "extension \"%s\" does not exist, skipping", name);
        else
            return no_extension(name);
    }
    return NULL;
}
