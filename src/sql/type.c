/*
 * CREATE, ALTER and DROP TYPE: enums, composite types.
 *
 * A label's number is its place in the order, with room before and after it (types/enum.c): numbers
 * never change, so that stored values, keys and indexes stay as they are.
 */
#include "sql_int.h"

#define STEP ((int64_t)1 << 20)

static struct error *no_type(const struct analysis *a, const TypeName *n)
{
    const char *name = strVal(llast(n->names));
    const char *schema =
        list_length(n->names) > 1 ? strVal(list_nth(n->names, list_length(n->names) - 2)) : NULL;
    if (schema && !catalog_schema(a->ctx->view, schema))
        return sql__no_schema(schema);
    return error_new(E_UNDEFINED_OBJECT, "type \"%s%s%s\" does not exist", schema ? schema : "",
                     schema ? "." : "", name);
}

struct error *sql__find_type(const struct analysis *a, const List *names, const struct object **ret)
{
    const TypeName n = {.names = (List *)(uintptr_t)names};
    *ret = sql__lookup_type(a, names);
    return *ret ? NULL : no_type(a, &n);
}

/* ---- labels --------------------------------------------------------------------------------- */

static struct error *check_label(const char *label)
{
    if (strlen(label) <= CATALOG_NAME_MAX)
        return NULL;
    return error_detail(error_new("42602", "invalid enum label \"%s\"", label),
                        "Labels must be %d bytes or less.", CATALOG_NAME_MAX);
}

static int label_at(const struct object *o, const char *label)
{
    for (int i = 0; i < o->n_labels; i++)
        if (strcmp(o->labels[i].name, label) == 0)
            return i;
    return -1;
}

static struct error *no_label(const char *label)
{
    return error_new("22023", "\"%s\" is not an existing enum label", label);
}

static struct error *label_taken(const char *label)
{
    return error_new("42710", "enum label \"%s\" already exists", label);
}

/* As PostgreSQL happens to notice it. */
static struct error *label_twice(void)
{
    static const char constraint[] = "pg_enum_typid_label_index";
    struct error *e =
        error_new(E_UNIQUE, "duplicate key value violates unique constraint \"%s\"", constraint);
    e->schema = mem_strdup("pg_catalog");
    e->table = mem_strdup("pg_enum");
    e->constraint = mem_strdup(constraint);
    return e;
}

/* ---- CREATE TYPE .. AS ENUM ----------------------------------------------------------------- */

struct error *sql__type_taken(const struct analysis *a, const char *schema, const char *name)
{
    const struct catalog_view *v = a->ctx->view;
    if (!catalog_type(v, schema, name) && !catalog_table(v, schema, name) &&
        !catalog_object(v, OBJ_VIEW, schema, name))
        return NULL;
    return error_new("42710", "type \"%s\" already exists", name);
}

struct error *sql__create_enum(struct analysis *a, const CreateEnumStmt *n)
{
    RangeVar rv = sql__range_var(n->typeName);
    char *schema;
    sql__change_objects(a, "CREATE TYPE");
    TRY(sql__target_schema(a, &rv, &schema));
    TRY(sql__type_taken(a, schema, rv.relname));
    struct object *o = sql__new_object(a, OBJ_ENUM, schema, rv.relname);
    int count = list_length(n->vals);
    o->labels = ARENA_ARRAY(a->arena, struct object_label, count + 1);
    for (int i = 0; i < count; i++) {
        const char *label = strVal(list_nth(n->vals, i));
        TRY(check_label(label));
        if (label_at(o, label) >= 0)
            return label_twice();
        o->labels[o->n_labels++] =
            (struct object_label){.name = arena_strdup(a->arena, label), .value = (i + 1) * STEP};
    }
    sql__change_object(a, NULL, o);
    return NULL;
}

/* ---- CREATE TYPE .. AS (..) ----------------------------------------------------------------- */

struct error *sql__add_attribute(struct analysis *a, struct table *t, const ColumnDef *n)
{
    const struct type *type;
    struct column *c = &t->columns[t->n_columns];
    if (table_column(t, n->colname) >= 0)
        return error_new("42701", "column \"%s\" specified more than once", n->colname);
    *c = (struct column){.name = arena_strdup(a->arena, n->colname)};
    TRY(sql__type_name(a, n->typeName, &type, &c->typmod, &c->domain));
    if (c->domain)
        return sql__unsupported(a, n->typeName->location, "Use the type beneath it.",
                                "an attribute of a domain is not supported");
    TRY(sql__check_column_type(a, n, type));
    c->type = type->oid;
    t->n_columns++;
    return NULL;
}

struct error *sql__create_composite(struct analysis *a, const CompositeTypeStmt *n)
{
    RangeVar rv = *n->typevar;
    char *schema;
    int count = list_length(n->coldeflist);
    sql__change_objects(a, "CREATE TYPE");
    TRY(sql__target_schema(a, &rv, &schema));
    TRY(sql__type_taken(a, schema, rv.relname));
    if (count > SQL__RECORD_FIELDS)
        return sql__unsupported(a, rv.location, "Use several types.",
                                "a composite type of more than %d attributes is not supported",
                                SQL__RECORD_FIELDS);
    struct object *o = sql__new_object(a, OBJ_COMPOSITE, schema, rv.relname);
    o->attributes = ARENA_NEW(a->arena, struct table);
    *o->attributes = (struct table){.schema = o->schema,
                                    .name = o->name,
                                    .database = o->database,
                                    .columns = ARENA_ARRAY(a->arena, struct column, count + 1)};
    struct error *e = NULL;
    for (int i = 0; i < count && !e; i++)
        e = sql__add_attribute(a, o->attributes, list_nth(n->coldeflist, i));
    if (e) { /* PostgreSQL does not say where */
        e->position = 0;
        return e;
    }
    sql__change_object(a, NULL, o);
    return NULL;
}

/* ---- ALTER TYPE ----------------------------------------------------------------------------- */

/* The place for a new label, and its number. */
static struct error *make_room(const struct object *o, const AlterEnumStmt *n, int *ret_at,
                               int64_t *ret_value)
{
    int at = o->n_labels;
    if (n->newValNeighbor) {
        at = label_at(o, n->newValNeighbor);
        if (at < 0)
            return no_label(n->newValNeighbor);
        at += n->newValIsAfter;
    }
    int64_t low = at > 0 ? o->labels[at - 1].value : 0;
    int64_t high = at < o->n_labels ? o->labels[at].value : low + 2 * STEP;
    if (at == 0)
        low = high - 2 * STEP;
    *ret_at = at;
    *ret_value = low + (high - low) / 2;
    if (*ret_value != low && *ret_value != high)
        return NULL;
    return error_hint(
        error_new(E_UNSUPPORTED, "there is no room for another label of enum \"%s\"", o->name),
        "Create a new type with all labels, and copy the columns.");
}

static struct error *add_label(struct analysis *a, const AlterEnumStmt *n, struct object *next)
{
    int at = 0;
    int64_t value = 0;
    TRY(check_label(n->newVal));
    if (label_at(next, n->newVal) >= 0) {
        if (!n->skipIfNewValExists)
            return label_taken(n->newVal);
        sql__notice(a, "42710", NULL, "enum label \"%s\" already exists, skipping", n->newVal);
        return NULL;
    }
    TRY(make_room(next, n, &at, &value));
    struct object_label *labels = ARENA_ARRAY(a->arena, struct object_label, next->n_labels + 1);
    for (int i = 0; i < next->n_labels; i++)
        labels[i + (i >= at)] = next->labels[i];
    labels[at] = (struct object_label){.name = arena_strdup(a->arena, n->newVal), .value = value};
    next->labels = labels;
    next->n_labels++;
    return NULL;
}

struct error *sql__alter_enum(struct analysis *a, const AlterEnumStmt *n)
{
    const struct object *old;
    sql__change_objects(a, "ALTER TYPE");
    TRY(sql__find_type(a, n->typeName, &old));
    if (old->kind != OBJ_ENUM)
        return error_new("42809", "%s is not an enum", sql__shown_name(a, old->schema, old->name));
    struct object *next = object_copy(old, a->arena);
    if (!n->oldVal) {
        TRY(add_label(a, n, next));
        if (next->n_labels == old->n_labels)
            return NULL;
    } else {
        int at = label_at(old, n->oldVal);
        if (at < 0)
            return no_label(n->oldVal);
        if (label_at(old, n->newVal) >= 0)
            return label_taken(n->newVal);
        TRY(check_label(n->newVal));
        next->labels[at].name = arena_strdup(a->arena, n->newVal);
    }
    sql__change_object(a, old, next);
    return NULL;
}

/* ---- new names --------------------------------------------------------------------------------
 */

static bool rename_in(struct analysis *a, const struct table *t, enum clause clause, char **sql,
                      const struct new_name *n, const char *old)
{
    char *changed =
        *sql && strstr(*sql, old) ? sql__rename_type_in_text(a, t, clause, *sql, n) : NULL;
    *sql = changed ? changed : *sql;
    return changed;
}

/* Defaults, checks and indexes of a table, or a domain, which say the type's name; `t` is a copy.
 */
static bool rename_in_texts(struct analysis *a, struct table *t, const struct new_name *n,
                            const char *old)
{
    enum clause check = t->is_domain ? CLAUSE_DOMAIN : CLAUSE_CHECK;
    bool any = false;
    for (int i = 0; i < t->n_columns; i++)
        any |= rename_in(a, t, t->columns[i].generated ? CLAUSE_GENERATED : CLAUSE_DEFAULT,
                         &t->columns[i].default_sql, n, old);
    for (int i = 0; i < t->n_checks; i++)
        any |= rename_in(a, t, check, &t->checks[i].sql, n, old);
    for (int i = 0; i < t->n_indexes; i++) {
        struct index *x = &t->indexes[i];
        any |= rename_in(a, t, CLAUSE_INDEX_PREDICATE, &x->where_sql, n, old);
        for (int k = 0; k < x->n_expressions; k++)
            any |= rename_in(a, t, CLAUSE_INDEX_EXPRESSION, &x->expressions[k].sql, n, old);
    }
    return any;
}

bool sql__names_type(struct analysis *a, const struct table *t, const struct object *type)
{
    const struct new_name n = {
        .id = type->id, .schema = type->schema, .name = "x", .column = -1, .what = ""};
    return rename_in_texts(a, table_copy(t, a->arena), &n, type->name);
}

static struct error *rename_everywhere(struct analysis *a, const struct new_name *n,
                                       const struct object *type)
{
    const struct catalog_view *v = a->ctx->view;
    const struct object *o;
    for (size_t i = 0; i < v->n_tables; i++) {
        struct table *t = table_copy(v->tables[i], a->arena);
        if (!rename_in_texts(a, t, n, type->name))
            continue;
        if (table_is_temporary(t))
            return sql__unsupported(a, -1, "Drop it first.",
                                    "%s that temporary table %s names is not supported", n->what,
                                    t->name);
        *sql__also_changed(a, v->tables[i]) = *t;
    }
    for (size_t i = 0; (o = catalog_next_type(v, &i));) {
        struct object *next = o->domain && o != type ? object_copy(o, a->arena) : NULL;
        if (next && rename_in_texts(a, next->domain, n, type->name))
            sql__change_object(a, o, next);
    }
    return sql__rename_in_views(a, n);
}

static struct error *change_name(struct analysis *a, const struct object *old, const char *schema,
                                 const char *name)
{
    TRY(sql__type_taken(a, schema, name));
    TRY(rename_everywhere(
        a,
        &(struct new_name){
            .id = old->id, .schema = schema, .name = name, .column = -1, .what = "renaming a type"},
        old));
    struct object *next = object_copy(old, a->arena);
    next->schema = arena_strdup(a->arena, schema);
    next->name = arena_strdup(a->arena, name);
    struct table *as_table = next->domain ? next->domain : next->attributes;
    if (as_table) {
        as_table->schema = next->schema;
        as_table->name = next->name;
    }
    sql__change_object(a, old, next);
    return NULL;
}

static struct error *check_kind(const struct analysis *a, const struct object *o, ObjectType said)
{
    if (said != OBJECT_DOMAIN || o->kind == OBJ_DOMAIN)
        return NULL;
    return error_new("42809", "\"%s\" is not a domain", sql__shown_name(a, o->schema, o->name));
}

struct error *sql__rename_type(struct analysis *a, const RenameStmt *n)
{
    const struct object *old;
    sql__change_objects(a, n->renameType == OBJECT_DOMAIN ? "ALTER DOMAIN" : "ALTER TYPE");
    TRY(sql__find_type(a, (const List *)n->object, &old));
    TRY(check_kind(a, old, n->renameType));
    return change_name(a, old, old->schema, n->newname);
}

struct error *sql__move_type(struct analysis *a, const AlterObjectSchemaStmt *n)
{
    const struct object *old;
    sql__change_objects(a, n->objectType == OBJECT_DOMAIN ? "ALTER DOMAIN" : "ALTER TYPE");
    TRY(sql__find_type(a, (const List *)n->object, &old));
    TRY(check_kind(a, old, n->objectType));
    TRY(sql__check_schema(a, n->newschema));
    return strcmp(old->schema, n->newschema) == 0 ? NULL
                                                  : change_name(a, old, n->newschema, old->name);
}

/* ---- DROP TYPE ------------------------------------------------------------------------------ */

const char *sql__describe_type(const struct analysis *a, const struct object *o)
{
    return arena_printf(a->arena, "type %s", sql__shown_name(a, o->schema, o->name));
}

static bool listed(const struct list *l, const struct object *o)
{
    for (int i = 0; i < l->n; i++)
        if (l->items[i] == o)
            return true;
    return false;
}

/* Domains over it go along. */
static void domains_over(struct analysis *a, const struct object *o, struct list *types,
                         struct list *under, struct dependents *deps)
{
    const struct object *d;
    for (size_t i = 0; (d = catalog_next_type(a->ctx->view, &i));) {
        if (!d->domain || listed(types, d) || !column_has_type(&d->domain->columns[0], o))
            continue;
        sql__depends(a, deps, d->id, sql__describe_type(a, d), sql__describe_type(a, o));
        sql__push(a->arena, types, (void *)(uintptr_t)d);
        sql__push(a->arena, under, sql__last_dependent(deps));
    }
}

/* What the statement names. */
static struct error *types_to_drop(struct analysis *a, const DropStmt *n, struct list *ret)
{
    for (int i = 0; i < list_length(n->objects); i++) {
        const TypeName *name = list_nth(n->objects, i);
        const struct object *o = sql__lookup_type(a, name->names);
        if (!o && type_by_name(strVal(llast(name->names))))
            return error_new("2BP01",
                             "cannot drop type %s because it is required by the database system",
                             type_by_name(strVal(llast(name->names)))->sql_name);
        if (!o && !n->missing_ok)
            return no_type(a, name);
        if (!o) {
            struct error *e = no_type(a, name);
            sql__notice(a, "00000", NULL, "%s, skipping", e->message);
            error_free(e);
            continue;
        }
        TRY(check_kind(a, o, n->removeType));
        sql__push(a->arena, ret, (void *)(uintptr_t)o);
    }
    return NULL;
}

/* Columns of it go, and what hangs on them; *ret_kept: "table t", of one that can't lose a column.
 */
static struct error *drop_columns(struct analysis *a, const struct object *type, struct list *views,
                                  struct dependents *deps, const char **ret_kept)
{
    const struct catalog_view *v = a->ctx->view;
    for (size_t i = 0; i < v->n_tables; i++) {
        const struct table *t = v->tables[i];
        struct table *next = NULL;
        for (int c = 0; c < t->n_columns; c++) {
            if (!column_has_type(&t->columns[c], type))
                continue;
            bool array = type->array_id && t->columns[c].type == catalog_oid(type->array_id);
            sql__depends(
                a, deps, t->id,
                arena_printf(a->arena, "column %s of %s", sql__list_name(a, t->columns[c].name),
                             sql__describe_table(a, t)),
                arena_printf(a->arena, "%s%s", sql__describe_type(a, type), array ? "[]" : ""));
            sql__last_dependent(deps)->part = c;
            const struct dependent *under = deps->under;
            deps->under = sql__last_dependent(deps);
            if (table_is_temporary(t) || t->query)
                *ret_kept = sql__describe_table(a, t);
            next = next ? next : sql__also_changed(a, t);
            TRY(sql__drop_column_with(a, next, c, views, deps));
            deps->under = under;
        }
        if (next)
            TRY(sql__table_text(a, next));
    }
    return NULL;
}

/* Composite types with attributes of it, which can't be taken from them. */
static void attributes_of(struct analysis *a, const struct object *type, const struct list *types,
                          struct dependents *deps, const char **ret_kept)
{
    const struct object *o;
    for (size_t i = 0; (o = catalog_next_type(a->ctx->view, &i));) {
        const struct table *t = o->attributes;
        for (int c = 0; t && c < t->n_columns && !listed(types, o); c++) {
            if (!column_has_type(&t->columns[c], type))
                continue;
            const char *name = sql__shown_name(a, o->schema, o->name);
            sql__depends(a, deps, o->id,
                         arena_printf(a->arena, "column %s of composite type %s",
                                      sql__list_name(a, t->columns[c].name), name),
                         sql__describe_type(a, type));
            sql__last_dependent(deps)->part = c;
            *ret_kept = arena_printf(a->arena, "composite type %s", name);
        }
    }
}

struct error *sql__drop_type(struct analysis *a, const DropStmt *n)
{
    struct dependents deps = {0};
    struct list types = {0}, views = {0}, under = {0}; /* of the types: NULL for those named */
    const char *kept = NULL;
    sql__change_objects(a, n->removeType == OBJECT_DOMAIN ? "DROP DOMAIN" : "DROP TYPE");
    TRY(types_to_drop(a, n, &types));
    const char *what = types.n == 1 ? sql__describe_type(a, types.items[0]) : NULL;
    for (int i = 0; i < types.n; i++)
        sql__push(a->arena, &under, NULL);
    for (int i = 0; i < types.n; i++) {
        const struct object *o = types.items[i];
        deps.under = under.items[i];
        domains_over(a, o, &types, &under, &deps);
        TRY(drop_columns(a, o, &views, &deps, &kept));
        attributes_of(a, o, &types, &deps, &kept);
        sql__views_on(a, o->id, sql__describe_type(a, o), &views, &deps);
    }
    if (deps.list.n && n->behavior != DROP_CASCADE)
        return sql__has_dependents(a, what, &deps);
    if (kept)
        return sql__unsupported(a, -1, "Drop it first.",
                                "DROP TYPE ... CASCADE cannot drop columns of %s", kept);
    for (int i = 0; i < types.n; i++)
        sql__change_object(a, types.items[i], NULL);
    sql__tell_cascade(a, &deps);
    for (int i = 0; i < views.n; i++)
        sql__drop_view_with(a, views.items[i]);
    return NULL;
}
