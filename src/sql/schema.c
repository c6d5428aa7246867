/*
 * CREATE, DROP and ALTER SCHEMA; and what all changes of objects share: the query that lists them.
 *
 * What hangs on what: everything in a schema on the schema. DROP .. CASCADE collects all that goes
 * into one change; without CASCADE the list is the error's detail.
 */
#include "sql_int.h"

/* ---- changes of objects --------------------------------------------------------------------- */

void sql__change_objects(struct analysis *a, const char *tag)
{
    a->q->kind = QUERY_OBJECTS;
    a->q->tag = tag;
    a->q->writes = true;
}

void sql__change_object(struct analysis *a, const struct object *old, const struct object *next)
{
    struct query *q = a->q;
    struct object_change *all = ARENA_ARRAY(a->arena, struct object_change, q->objects.n + 1);
    if (q->objects.n)
        memcpy(all, q->objects.changes, sizeof(*all) * (size_t)q->objects.n);
    all[q->objects.n++] = (struct object_change){old, next};
    q->objects.changes = all;
}

struct object *sql__new_object(struct analysis *a, enum object_kind kind, const char *schema,
                               const char *name)
{
    struct object *o = ARENA_NEW(a->arena, struct object);
    o->kind = kind;
    o->schema = arena_strdup(a->arena, schema);
    o->name = arena_strdup(a->arena, name);
    o->database = kind != OBJ_DATABASE && a->ctx->view ? a->ctx->view->database : 0;
    return o;
}

void sql__notice(struct analysis *a, const char *sqlstate, const char *detail, const char *format,
                 ...)
{
    struct query *q = a->q;
    struct query_notice *all = ARENA_ARRAY(a->arena, struct query_notice, q->n_notices + 1);
    if (q->n_notices)
        memcpy(all, q->notices, sizeof(*all) * (size_t)q->n_notices);
    struct buf text = {0};
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&text, format, ap);
    va_end(ap);
    all[q->n_notices++] = (struct query_notice){
        .sqlstate = sqlstate, .message = arena_strdup(a->arena, text.data), .detail = detail};
    buf_done(&text);
    q->notices = all;
}

/* ---- what hangs on an object ---------------------------------------------------------------- */

const char *sql__shown_name(const struct analysis *a, const char *schema, const char *name)
{
    bool visible = false;
    for (int i = 0; i < a->path->n; i++)
        visible |= strcmp(a->path->schemas[i], schema) == 0;
    const char *shown = sql__list_name(a, name);
    return visible ? shown : arena_printf(a->arena, "%s.%s", sql__list_name(a, schema), shown);
}

const char *sql__describe_table(const struct analysis *a, const struct table *t)
{
    return arena_printf(a->arena, "table %s", sql__shown_name(a, t->schema, t->name));
}

/* A line for each dependent, as many as PostgreSQL gives; 0-terminated, in the arena. */
static const char *dependents_text(const struct analysis *a, const struct list *dependents,
                                   const char *format)
{
    enum { MOST = 100 };
    struct buf b = {0};
    for (int i = 0; i < dependents->n && i < MOST; i++)
        buf_printf(&b, "%s%s%s", i ? "\n" : "", format, (const char *)dependents->items[i]);
    if (dependents->n > MOST)
        buf_printf(&b, "\nand %d other objects (see server log for list)", dependents->n - MOST);
    const char *text = arena_strdup(a->arena, b.data ? b.data : "");
    buf_done(&b);
    return text;
}

struct error *sql__has_dependents(struct analysis *a, const char *what,
                                  const struct list *dependents, const struct list *on)
{
    struct list lines = {0};
    for (int i = 0; i < dependents->n; i++)
        sql__push(a->arena, &lines,
                  arena_printf(a->arena, "%s depends on %s", (const char *)dependents->items[i],
                               (const char *)on->items[i]));
    struct error *e = error_new("2BP01", "cannot drop %s because other objects depend on %s",
                                what ? what : "desired object(s)", what ? "it" : "them");
    error_detail(e, "%s", dependents_text(a, &lines, ""));
    return error_hint(e, "Use DROP ... CASCADE to drop the dependent objects too.");
}

void sql__tell_cascade(struct analysis *a, const struct list *dependents)
{
    if (dependents->n == 1)
        sql__notice(a, "00000", NULL, "drop cascades to %s", (const char *)dependents->items[0]);
    else if (dependents->n)
        sql__notice(a, "00000", dependents_text(a, dependents, "drop cascades to "),
                    "drop cascades to %d other objects", dependents->n);
}

void sql__drop_with(struct analysis *a, const struct table *t)
{
    struct query *q = a->q;
    const struct table **all = ARENA_ARRAY(a->arena, const struct table *, q->objects.n_drop + 1);
    if (q->objects.n_drop)
        memcpy(all, q->objects.drop, sizeof(*all) * (size_t)q->objects.n_drop);
    all[q->objects.n_drop++] = t;
    q->objects.drop = all;
}

/* ---- CREATE SCHEMA -------------------------------------------------------------------------- */

static struct error *schema_taken(const char *name)
{
    return error_new("42P06", "schema \"%s\" already exists", name);
}

static struct error *check_schema_name(const char *name)
{
    if (strncmp(name, "pg_", 3) != 0)
        return NULL;
    return error_detail(error_new("42939", "unacceptable schema name \"%s\"", name),
                        "The prefix \"pg_\" is reserved for system schemas.");
}

/* The schema comes to be: public by losing the record that says it was dropped. */
static void make_schema(struct analysis *a, const char *name)
{
    const struct object *gone = catalog_object(a->ctx->view, OBJ_SCHEMA, "", name);
    if (gone)
        sql__change_object(a, gone, NULL);
    else
        sql__change_object(a, NULL, sql__new_object(a, OBJ_SCHEMA, "", name));
}

/* And it ceases to be. */
static void unmake_schema(struct analysis *a, const char *name)
{
    const struct object *o = catalog_object(a->ctx->view, OBJ_SCHEMA, "", name);
    struct object *gone = sql__new_object(a, OBJ_SCHEMA, "", name);
    gone->dropped = true;
    sql__change_object(a, o, o ? NULL : gone);
}

struct error *sql__create_schema(struct analysis *a, const CreateSchemaStmt *n)
{
    const char *name = n->schemaname;
    sql__change_objects(a, "CREATE SCHEMA");
    TRY(sql__check_owner(a, n->authrole));
    if (!name && n->authrole)
        name = n->authrole->rolename;
    if (!name || n->schemaElts)
        return sql__unsupported(a, -1, "Name the schema, and create what is in it afterwards.",
                                "this form of CREATE SCHEMA is not supported");
    if (catalog_schema(a->ctx->view, name)) {
        if (!n->if_not_exists)
            return schema_taken(name);
        sql__notice(a, "42P06", NULL, "schema \"%s\" already exists, skipping", name);
        return NULL;
    }
    TRY(check_schema_name(name));
    make_schema(a, name);
    return NULL;
}

/* ---- DROP SCHEMA ---------------------------------------------------------------------------- */

static bool named(const List *objects, const char *schema)
{
    for (int i = 0; i < list_length(objects); i++)
        if (strcmp(strVal(list_nth(objects, i)), schema) == 0)
            return true;
    return false;
}

/* A foreign key that ties a table outside the schemas to one inside. */
static struct error *check_tied(struct analysis *a, const List *schemas)
{
    const struct catalog_view *v = a->ctx->view;
    for (size_t i = 0; i < v->n_tables; i++) {
        const struct table *t = v->tables[i];
        for (int k = 0; k < t->n_foreign_keys && !named(schemas, t->schema); k++) {
            const struct table *to = catalog_table_by_id(v, t->foreign_keys[k].table);
            if (to && named(schemas, to->schema))
                return sql__unsupported(
                    a, -1, "Drop that constraint, or its table, first.",
                    "DROP SCHEMA ... CASCADE cannot drop constraint %s on table %s",
                    t->foreign_keys[k].name, sql__shown_name(a, t->schema, t->name));
        }
    }
    return NULL;
}

static int by_id(const void *a, const void *b)
{
    const struct table *const *x = a, *const *y = b;
    return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

/* In the order in which PostgreSQL tells them: as they were made. */
static void contents(struct analysis *a, const char *schema, struct list *dependents,
                     struct list *on)
{
    const struct catalog_view *v = a->ctx->view;
    struct list tables = {0};
    for (size_t i = 0; i < v->n_tables; i++)
        if (strcmp(v->tables[i]->schema, schema) == 0)
            sql__push(a->arena, &tables, (void *)(uintptr_t)v->tables[i]);
    if (tables.n)
        qsort(tables.items, (size_t)tables.n, sizeof(*tables.items), by_id);
    for (int i = 0; i < tables.n; i++) {
        const struct table *t = tables.items[i];
        sql__push(a->arena, dependents, (void *)(uintptr_t)sql__describe_table(a, t));
        sql__push(a->arena, on, arena_printf(a->arena, "schema %s", schema));
        sql__drop_with(a, t);
    }
}

struct error *sql__drop_schema(struct analysis *a, const DropStmt *n)
{
    struct list dependents = {0}, on = {0};
    sql__change_objects(a, "DROP SCHEMA");
    for (int i = list_length(n->objects); i-- > 0;) {
        const char *name = strVal(list_nth(n->objects, i));
        if (strcmp(name, "pg_catalog") == 0 || strcmp(name, "information_schema") == 0)
            return error_new("2BP01",
                             "cannot drop schema %s because it is required by the database system",
                             name);
        if (!catalog_schema(a->ctx->view, name)) {
            if (!n->missing_ok)
                return sql__no_schema(name);
            sql__notice(a, "00000", NULL, "schema \"%s\" does not exist, skipping", name);
            continue;
        }
        contents(a, name, &dependents, &on);
        unmake_schema(a, name);
    }
    if (!dependents.n)
        return NULL;
    if (n->behavior != DROP_CASCADE)
        return sql__has_dependents(
            a,
            list_length(n->objects) > 1
                ? NULL
                : arena_printf(a->arena, "schema %s", strVal(linitial(n->objects))),
            &dependents, &on);
    TRY(check_tied(a, n->objects));
    sql__tell_cascade(a, &dependents);
    return NULL;
}

/* ---- ALTER SCHEMA --------------------------------------------------------------------------- */

struct error *sql__rename_schema(struct analysis *a, const RenameStmt *n)
{
    const struct catalog_view *v = a->ctx->view;
    struct query *q = a->q;
    sql__change_objects(a, "ALTER SCHEMA");
    if (!catalog_schema(v, n->subname))
        return sql__no_schema(n->subname);
    if (catalog_schema(v, n->newname))
        return schema_taken(n->newname);
    TRY(check_schema_name(n->newname));
    TRY(sql__check_schema(a, n->subname));
    const struct object *old = catalog_object(v, OBJ_SCHEMA, "", n->subname);
    if (old && strcmp(n->newname, "public") != 0) { /* it stays the same object */
        struct object *next = object_copy(old, a->arena);
        next->name = arena_strdup(a->arena, n->newname);
        sql__change_object(a, old, next);
    } else {
        unmake_schema(a, n->subname);
        make_schema(a, n->newname);
    }
    q->objects.schema = arena_strdup(a->arena, n->newname);
    q->objects.moves = ARENA_ARRAY(a->arena, const struct table *, v->n_tables + 1);
    for (size_t i = 0; i < v->n_tables; i++)
        if (strcmp(v->tables[i]->schema, n->subname) == 0)
            q->objects.moves[q->objects.n_moves++] = v->tables[i];
    return NULL;
}

/* ---- owners --------------------------------------------------------------------------------- */

struct error *sql__check_owner(const struct analysis *a, const RoleSpec *role)
{
    if (!role || role->roletype != ROLESPEC_CSTRING || !a->ctx->user ||
        strcmp(role->rolename, a->ctx->user) == 0)
        return NULL;
    return sql__unsupported(a, role->location,
                            "There are no roles yet: everything belongs to whoever asks. Leave the "
                            "owner out (pg_dump --no-owner).",
                            "role \"%s\" as an owner is not supported", role->rolename);
}
