/*
 * CREATE, DROP and ALTER DATABASE.
 *
 * A database is an object without a schema; what is in it carries its id. Options of CREATE
 * DATABASE are accepted when they ask for what every database here is: UTF8, collation C. One is
 * our own: in a database WITH COLOCATION = true all tables lie in one region, so that every
 * transaction and every foreign key is possible there. It is inherited from the template, which is
 * template1 where none is said.
 */
#include "sql_int.h"

static struct error *database_taken(const char *name)
{
    return error_new("42P04", "database \"%s\" already exists", name);
}

static struct error *no_database(const char *name)
{
    return error_new(E_NO_DATABASE, "database \"%s\" does not exist", name);
}

static bool is_template(const char *name)
{
    return strcmp(name, "template0") == 0 || strcmp(name, "template1") == 0;
}

static bool exists(const struct analysis *a, const char *name)
{
    uint64_t id;
    return is_template(name) || catalog_database(a->ctx->view, name, &id);
}

/* ---- CREATE DATABASE ------------------------------------------------------------------------ */

static const char *option_text(struct analysis *a, const DefElem *d)
{
    if (!d->arg)
        return "default";
    if (IsA(d->arg, String))
        return arena_strdup(a->arena, strVal(d->arg));
    if (IsA(d->arg, Integer))
        return arena_printf(a->arena, "%d", intVal(d->arg));
    if (IsA(d->arg, Boolean))
        return boolVal(d->arg) ? "true" : "false";
    return "";
}

static bool one_of(const char *value, const char *list)
{
    size_t n = strlen(value);
    if (strcmp(list, "*") == 0)
        return true;
    for (const char *p = list; *p; p += strcspn(p, "|"), p += *p == '|')
        if (strcspn(p, "|") == n && strncmp(p, value, n) == 0)
            return true;
    return false;
}

/* What each option may say besides DEFAULT; "*": anything. */
static const struct {
    const char *name, *accepted;
} create_options[] = {
    {"template", "*"}, /* checked by itself */
    {"colocation", "*"},
    {"encoding", "UTF8|UTF-8|utf8|utf-8|unicode|6"},
    {"owner", "*"}, /* checked by itself */
    {"locale", "C|POSIX|C.UTF-8|C.utf8"},
    {"lc_collate", "C|POSIX|C.UTF-8|C.utf8"},
    {"lc_ctype", "C|POSIX|C.UTF-8|C.utf8"},
    {"locale_provider", "libc"},
    {"collation_version", "*"},
    {"strategy", "wal_log|file_copy|WAL_LOG|FILE_COPY"},
    {"tablespace", "pg_default"},
    {"connection_limit", "-1"},
    {"allow_connections", "true|1|on"},
    {"is_template", "false|0|off"},
};

static bool is_colocated(const struct analysis *a, const char *name)
{
    const struct object *o = catalog_object(a->ctx->view, OBJ_DATABASE, "", name);
    return o && o->colocated;
}

/* Its tables are not copied. */
static struct error *check_template(struct analysis *a, const char *name, int location)
{
    uint64_t id;
    if (!exists(a, name))
        return error_new(E_NO_DATABASE, "template database \"%s\" does not exist", name);
    if (!catalog_database(a->ctx->view, name, &id))
        return NULL;
    const struct catalog_view *in = catalog_of_database(a->ctx->view, id);
    bool empty = !in->n_tables && !in->n_sequences;
    for (size_t i = 0; i < in->n_objects; i++)
        empty &= in->objects[i]->database != id || in->objects[i]->kind == OBJ_DATABASE;
    return empty ? NULL
                 : sql__unsupported(a, location,
                                    "Use an empty one, and bring what is in it with pg_dump.",
                                    "a template that is not empty is not supported");
}

static struct error *colocation(struct analysis *a, const DefElem *d, bool *ret)
{
    const char *value = option_text(a, d);
    *ret = d->arg && one_of(value, "true|on|1|yes");
    if (*ret || !d->arg || one_of(value, "false|off|0|no"))
        return NULL;
    return sql__at(a, error_new(E_SYNTAX, "colocation requires a Boolean value"), d->location);
}

static struct error *create_option(struct analysis *a, const DefElem *d, struct object *o)
{
    const char *value = option_text(a, d);
    if (strcmp(d->defname, "colocation") == 0)
        return colocation(a, d, &o->colocated);
    if (strcmp(d->defname, "owner") == 0 && d->arg) {
        RoleSpec role = {.roletype = ROLESPEC_CSTRING,
                         .rolename = (char *)(uintptr_t)value,
                         .location = d->location};
        return sql__check_owner(a, &role);
    }
    for (size_t i = 0; i < ARRAY_LEN(create_options); i++)
        if (strcmp(create_options[i].name, d->defname) == 0)
            return !d->arg || one_of(value, create_options[i].accepted)
                       ? NULL
                       : sql__unsupported(
                             a, d->location,
                             "Leave the option out: a database is empty at first, holds UTF8, and "
                             "sorts by bytes (collation C).",
                             "option \"%s\" of CREATE DATABASE cannot be \"%s\"", d->defname,
                             value);
    return sql__at(a, error_new(E_SYNTAX, "option \"%s\" not recognized", d->defname), d->location);
}

static const DefElem *template_option(const List *options)
{
    for (int i = 0; i < list_length(options); i++) {
        const DefElem *d = list_nth(options, i);
        if (strcmp(d->defname, "template") == 0 && d->arg)
            return d;
    }
    return NULL;
}

struct error *sql__create_database(struct analysis *a, const CreatedbStmt *n)
{
    sql__change_objects(a, "CREATE DATABASE");
    a->q->alone = a->q->tag;
    struct object *o = sql__new_object(a, OBJ_DATABASE, "", n->dbname);
    const DefElem *from = template_option(n->options);
    const char *template = from ? option_text(a, from) : "template1";
    TRY(check_template(a, template, from ? from->location : -1));
    o->colocated = is_colocated(a, template);
    for (int i = 0; i < list_length(n->options); i++)
        TRY(create_option(a, list_nth(n->options, i), o));
    if (exists(a, n->dbname))
        return database_taken(n->dbname);
    sql__change_object(a, NULL, o);
    return NULL;
}

/* ---- DROP DATABASE -------------------------------------------------------------------------- */

/* One that can be changed. */
static struct error *find(const struct analysis *a, const char *name, const struct object **ret)
{
    uint64_t id;
    *ret = catalog_object(a->ctx->view, OBJ_DATABASE, "", name);
    if (*ret && !is_template(name) && catalog_database(a->ctx->view, name, &id) && id == (*ret)->id)
        return NULL;
    if (!exists(a, name))
        return no_database(name);
    return sql__unsupported(a, -1, "It is always there; drop what is in it.",
                            "changing database \"%s\" is not supported", name);
}

struct error *sql__drop_database(struct analysis *a, const DropdbStmt *n)
{
    const struct object *o;
    sql__change_objects(a, "DROP DATABASE");
    a->q->alone = a->q->tag;
    if (n->missing_ok && !exists(a, n->dbname)) {
        sql__notice(a, "00000", NULL, "database \"%s\" does not exist, skipping", n->dbname);
        return NULL;
    }
    if (is_template(n->dbname))
        return error_new("42809", "cannot drop a template database");
    if (strcmp(n->dbname, a->path->database) == 0)
        return error_new("55006", "cannot drop the currently open database");
    TRY(find(a, n->dbname, &o));
    for (int i = 0; i < list_length(n->options); i++)
        a->q->objects.force |= strcmp(((DefElem *)list_nth(n->options, i))->defname, "force") == 0;
    const struct catalog_view *in = catalog_of_database(a->ctx->view, o->id);
    for (size_t i = 0; i < in->n_tables; i++)
        sql__drop_with(a, in->tables[i]);
    for (size_t i = 0; i < in->n_sequences; i++) {
        int column;
        if (!catalog_sequence_owner(in, in->sequences[i]->id, &column))
            sql__drop_sequence_with(a, in->sequences[i]);
    }
    for (size_t i = 0; i < in->n_objects; i++)
        if (in->objects[i]->database == o->id)
            sql__change_object(a, in->objects[i], NULL);
    sql__change_object(a, o, NULL);
    return NULL;
}

/* ---- ALTER DATABASE ------------------------------------------------------------------------- */

struct error *sql__alter_database(struct analysis *a, const AlterDatabaseStmt *n)
{
    sql__change_objects(a, "ALTER DATABASE");
    if (!exists(a, n->dbname))
        return no_database(n->dbname);
    const struct object *old = catalog_object(a->ctx->view, OBJ_DATABASE, "", n->dbname);
    struct object *next =
        old ? object_copy(old, a->arena) : sql__new_object(a, OBJ_DATABASE, "", n->dbname);
    for (int i = 0; i < list_length(n->options); i++) {
        const DefElem *d = list_nth(n->options, i);
        if (strcmp(d->defname, "colocation") != 0)
            return sql__unsupported(a, d->location, "COLOCATION = true is what can be set.",
                                    "option \"%s\" of ALTER DATABASE is not supported", d->defname);
        TRY(colocation(a, d, &next->colocated));
    }
    sql__change_object(a, old, next);
    return NULL;
}

struct error *sql__rename_database(struct analysis *a, const RenameStmt *n)
{
    const struct object *old;
    sql__change_objects(a, "ALTER DATABASE");
    if (!exists(a, n->subname))
        return no_database(n->subname);
    if (exists(a, n->newname))
        return database_taken(n->newname);
    if (strcmp(n->subname, a->path->database) == 0)
        return error_new(E_UNSUPPORTED, "current database cannot be renamed");
    TRY(find(a, n->subname, &old));
    struct object *next = object_copy(old, a->arena);
    next->name = arena_strdup(a->arena, n->newname);
    sql__change_object(a, old, next);
    return NULL;
}
