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
    for (int i = 0; i < q->objects.n && !next; i++)
        if (q->objects.changes[i].old == old && !q->objects.changes[i].next)
            return; /* DROP names it twice */
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
    bool visible = a->path->temporary_first && strcmp(schema, CATALOG_TEMP_SCHEMA) == 0;
    for (int i = 0; i < a->path->n; i++)
        visible |= strcmp(a->path->schemas[i], schema) == 0;
    const char *shown = sql__list_name(a, name);
    return visible ? shown : arena_printf(a->arena, "%s.%s", sql__list_name(a, schema), shown);
}

const char *sql__describe_table(const struct analysis *a, const struct table *t)
{
    return arena_printf(a->arena, "%s %s", t->query ? "materialized view" : "table",
                        sql__shown_name(a, t->schema, t->name));
}

/* A materialized view is found as a view and as a table. */
static bool is_told(const struct dependents *l, const char *what)
{
    bool twofold = strncmp(what, "materialized", strlen("materialized")) == 0;
    for (int i = 0; twofold && i < l->list.n; i++)
        if (strcmp(((const struct dependent *)l->list.items[i])->what, what) == 0)
            return true;
    return false;
}

void sql__depends(struct analysis *a, struct dependents *l, uint64_t id, const char *what,
                  const char *on)
{
    if (is_told(l, what))
        return;
    struct dependent *d = ARENA_NEW(a->arena, struct dependent);
    *d = (struct dependent){.group = l->group,
                            .id = id,
                            .what = what,
                            .on = on,
                            .depth = l->under ? l->under->depth + 1 : 0,
                            .under = l->under};
    sql__push(a->arena, &l->list, d);
}

/* As PostgreSQL tells them: what hangs on the last object that was named first, in the order in
 * which things were made, each with what hangs on it in turn. */
static int in_order(const void *a, const void *b)
{
    const struct dependent *x = *(const struct dependent *const *)a,
                           *y = *(const struct dependent *const *)b;
    int deeper = x->depth - y->depth;
    for (int i = deeper; i > 0; i--)
        x = x->under;
    for (int i = deeper; i < 0; i++)
        y = y->under;
    if (x == y)
        return deeper;
    for (; x->under != y->under; y = y->under)
        x = x->under;
    if (x->group != y->group)
        return x->group - y->group;
    if (x->id != y->id)
        return x->id > y->id ? 1 : -1;
    return x->part - y->part;
}

struct dependent *sql__last_dependent(struct dependents *l)
{
    return l->list.items[l->list.n - 1];
}

/* A line for each, as many as PostgreSQL gives; in the arena. */
static const char *dependents_text(const struct analysis *a, struct dependents *l, bool cascade)
{
    enum { MOST = 100 };
    struct buf b = {0};
    qsort(l->list.items, (size_t)l->list.n, sizeof(*l->list.items), in_order);
    for (int i = 0; i < l->list.n && i < MOST; i++) {
        const struct dependent *d = l->list.items[i];
        buf_puts(&b, i ? "\n" : "");
        if (cascade)
            buf_printf(&b, "drop cascades to %s", d->what);
        else
            buf_printf(&b, "%s depends on %s", d->what, d->on);
    }
    if (l->list.n > MOST)
        buf_printf(&b, "\nand %d other objects (see server log for list)", l->list.n - MOST);
    const char *text = arena_strdup(a->arena, b.data);
    buf_done(&b);
    return text;
}

struct error *sql__has_dependents(struct analysis *a, const char *what, struct dependents *l)
{
    struct error *e = error_new("2BP01", "cannot drop %s because other objects depend on %s",
                                what ? what : "desired object(s)", what ? "it" : "them");
    error_detail(e, "%s", dependents_text(a, l, false));
    return error_hint(e, "Use DROP ... CASCADE to drop the dependent objects too.");
}

void sql__tell_cascade(struct analysis *a, struct dependents *l)
{
    if (l->list.n == 1)
        sql__notice(a, "00000", NULL, "drop cascades to %s",
                    ((const struct dependent *)l->list.items[0])->what);
    else if (l->list.n)
        sql__notice(a, "00000", dependents_text(a, l, true), "drop cascades to %d other objects",
                    l->list.n);
}

void sql__drop_with(struct analysis *a, const struct table *t)
{
    struct query *q = a->q;
    const struct table **all = ARENA_ARRAY(a->arena, const struct table *, q->objects.n_drop + 1);
    for (int i = 0; i < q->objects.n_drop; i++)
        if (q->objects.drop[i] == t)
            return;
    if (q->objects.n_drop)
        memcpy(all, q->objects.drop, sizeof(*all) * (size_t)q->objects.n_drop);
    all[q->objects.n_drop++] = t;
    q->objects.drop = all;
}

void sql__drop_sequence_with(struct analysis *a, const struct sequence *s)
{
    struct query *q = a->q;
    const struct sequence **all =
        ARENA_ARRAY(a->arena, const struct sequence *, q->objects.n_sequences + 1);
    if (q->objects.n_sequences)
        memcpy(all, q->objects.sequences, sizeof(*all) * (size_t)q->objects.n_sequences);
    all[q->objects.n_sequences++] = s;
    q->objects.sequences = all;
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

struct error *sql__create_schema(struct analysis *a, const CreateSchemaStmt *n,
                                 const struct sql_stmt *stmt)
{
    const char *name = n->schemaname;
    sql__change_objects(a, "CREATE SCHEMA");
    TRY(sql__check_owner(a, n->authrole));
    if (!name && n->authrole)
        name = n->authrole->rolename;
    if (!name)
        return sql__unsupported(a, -1, "Name the schema.",
                                "this form of CREATE SCHEMA is not supported");
    if (catalog_schema(a->ctx->view, name)) {
        if (!n->if_not_exists)
            return schema_taken(name);
        sql__notice(a, "42P06", NULL, "schema \"%s\" already exists, skipping", name);
        return NULL;
    }
    TRY(check_schema_name(name));
    make_schema(a, name);
    return n->schemaElts ? sql__schema_elements(a, n, name, stmt) : NULL;
}

/* ---- DROP SCHEMA ---------------------------------------------------------------------------- */

static bool named(const List *objects, const char *schema)
{
    for (int i = 0; i < list_length(objects); i++)
        if (strcmp(strVal(list_nth(objects, i)), schema) == 0)
            return true;
    return false;
}

/* A default of a table outside that takes values of a sequence in a schema. */
static struct error *check_counted(struct analysis *a, const List *schemas)
{
    const struct catalog_view *v = a->ctx->view;
    for (size_t i = 0; i < v->n_tables; i++) {
        const struct table *t = v->tables[i];
        for (int c = 0; c < t->n_columns && !named(schemas, t->schema); c++) {
            const struct sequence *s =
                t->columns[c].sequence ? catalog_sequence_by_id(v, t->columns[c].sequence) : NULL;
            if (s && named(schemas, s->schema))
                return sql__unsupported(a, -1, "Drop that column, or its table, first.",
                                        "DROP SCHEMA ... CASCADE cannot drop the default of column "
                                        "%s of %s",
                                        t->columns[c].name, sql__describe_table(a, t));
        }
    }
    return NULL;
}

/* A column of a table outside that has a type of a schema. */
static struct error *check_typed(struct analysis *a, const List *schemas)
{
    const struct catalog_view *v = a->ctx->view;
    const struct object *o;
    for (size_t i = 0; (o = catalog_next_type(v, &i));) {
        for (size_t k = 0; named(schemas, o->schema) && k < v->n_tables; k++) {
            const struct table *t = v->tables[k];
            for (int c = 0; c < t->n_columns && !named(schemas, t->schema); c++)
                if (column_has_type(&t->columns[c], o))
                    return sql__unsupported(a, -1, "Drop that column, or its table, first.",
                                            "DROP SCHEMA ... CASCADE cannot drop column %s of %s",
                                            t->columns[c].name, sql__describe_table(a, t));
        }
    }
    return NULL;
}

static bool goes(const struct analysis *a, const struct table *t)
{
    const struct query *q = a->q;
    for (int i = 0; i < q->objects.n_drop; i++)
        if (q->objects.drop[i]->id == t->id)
            return true;
    return false;
}

static bool listed(const struct list *l, const void *item)
{
    for (int i = 0; i < l->n; i++)
        if (l->items[i] == item)
            return true;
    return false;
}

/* What is in the schema, and then the views elsewhere that read it. */
static void contents(struct analysis *a, const char *schema, struct list *views,
                     struct dependents *deps)
{
    const struct catalog_view *v = a->ctx->view;
    const char *what = arena_printf(a->arena, "schema %s", schema);
    int first = views->n;
    for (size_t i = 0; i < v->n_objects; i++) {
        const struct object *o = v->objects[i];
        if (o->kind != OBJ_VIEW || strcmp(o->schema, schema) != 0 || listed(views, o))
            continue;
        sql__push(a->arena, views, (void *)(uintptr_t)o);
        sql__depends(a, deps, o->id, sql__describe_view(a, o), what);
    }
    int last = views->n;
    for (size_t i = 0; i < v->n_objects; i++) {
        const struct object *o = v->objects[i];
        if (o->kind != OBJ_EXTENSION || strcmp(schema, "public") != 0)
            continue;
        sql__depends(a, deps, o->id, arena_printf(a->arena, "extension %s", o->name), what);
        sql__change_object(a, o, NULL);
    }
    for (size_t i = 0; i < v->n_sequences; i++) {
        const struct sequence *s = v->sequences[i];
        int column;
        if (strcmp(s->schema, schema) != 0 || catalog_sequence_owner(v, s->id, &column))
            continue; /* one that a table owns goes with it */
        sql__depends(a, deps, s->id, sql__describe_sequence(a, s), what);
        sql__drop_sequence_with(a, s);
        sql__views_on(a, s->id, sql__describe_sequence(a, s), views, deps);
    }
    const struct object *type;
    for (size_t i = 0; (type = catalog_next_type(v, &i));) {
        if (strcmp(type->schema, schema) != 0)
            continue;
        sql__depends(a, deps, type->id, sql__describe_type(a, type), what);
        sql__views_on(a, type->id, sql__describe_type(a, type), views, deps);
        sql__change_object(a, type, NULL);
    }
    for (size_t i = 0; i < v->n_tables; i++) {
        const struct table *t = v->tables[i];
        if (strcmp(t->schema, schema) != 0)
            continue;
        sql__depends(a, deps, t->id, sql__describe_table(a, t), what);
        sql__drop_with(a, t);
        sql__views_on(a, t->id, sql__describe_table(a, t), views, deps);
        sql__views_on_owned(a, t, -1, views, deps);
    }
    for (int i = first; i < last; i++) {
        const struct object *o = views->items[i];
        sql__views_on(a, o->id, sql__describe_view(a, o), views, deps);
    }
}

struct error *sql__drop_schema(struct analysis *a, const DropStmt *n)
{
    struct dependents deps = {0};
    struct list views = {0};
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
        contents(a, name, &views, &deps);
        deps.group++;
        unmake_schema(a, name);
    }
    for (int i = 0; i < a->q->objects.n_drop; i++)
        TRY(sql__drop_references(a, a->q->objects.drop[i], n->behavior == DROP_CASCADE, goes,
                                 &deps));
    if (!deps.list.n)
        return NULL;
    if (n->behavior != DROP_CASCADE)
        return sql__has_dependents(
            a,
            list_length(n->objects) > 1
                ? NULL
                : arena_printf(a->arena, "schema %s", strVal(linitial(n->objects))),
            &deps);
    TRY(check_typed(a, n->objects));
    TRY(check_counted(a, n->objects));
    for (int i = 0; i < views.n; i++)
        sql__drop_view_with(a, views.items[i]);
    sql__tell_cascade(a, &deps);
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
    for (size_t i = 0; i < v->n_sequences; i++)
        if (strcmp(v->sequences[i]->schema, n->subname) == 0)
            return sql__unsupported(a, -1, "Create a new schema and make things anew there.",
                                    "renaming a schema that has sequences is not supported");
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
    for (size_t i = 0; i < v->n_tables; i++) {
        if (strcmp(v->tables[i]->schema, n->subname) != 0)
            continue;
        q->objects.moves[q->objects.n_moves++] = v->tables[i];
    }
    const struct new_name renamed = {.of_schema = n->subname,
                                     .schema = n->newname,
                                     .column = -1,
                                     .what = "renaming the schema of what"};
    for (size_t i = 0; i < v->n_objects; i++) {
        const struct object *o = v->objects[i];
        struct object *next = NULL;
        if (o->kind == OBJ_SCHEMA)
            continue;
        if (strcmp(o->schema, n->subname) == 0) {
            next = object_copy(o, a->arena);
            next->schema = arena_strdup(a->arena, n->newname);
        }
        if (o->kind == OBJ_VIEW)
            TRY(sql__rename_in_view(a, o, &renamed, &next));
        if (next)
            sql__change_object(a, o, next);
    }
    const struct object *o;
    struct object *unused = NULL;
    for (size_t i = 0; (o = catalog_next_view(v, &i));) /* materialized ones are refused */
        if (!o->relation)
            TRY(sql__rename_in_view(a, o, &renamed, &unused));
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
