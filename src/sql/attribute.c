/*
 * ALTER TYPE .. ADD, DROP, ALTER, RENAME ATTRIBUTE.
 *
 * A stored value has its attributes without names, in their order, and those that were added later
 * are NULL (types/record.c): adding and renaming change no rows. Dropping one, or giving it another
 * type, would; so they are for types that no column has, as PostgreSQL has it for the latter.
 *
 * PostgreSQL's views, checks and defaults hold what they were made of; here they are texts, which
 * would say something else afterwards, or nothing. Where there are any, a change is refused.
 *
 * A type's attributes are those of the whole server, not of a transaction, so that a change is one
 * of its own.
 */
#include "sql_int.h"

/* ---- who has it ---------------------------------------------------------------------------- */

static bool has_one_of(const struct column *c, const struct list *types)
{
    for (int i = 0; i < types->n; i++)
        if (column_has_type(c, types->items[i]))
            return true;
    return false;
}

static bool among(const struct list *l, const struct object *o)
{
    for (int i = 0; i < l->n; i++)
        if (l->items[i] == o)
            return true;
    return false;
}

/* The type, and those whose values hold such: composite types, domains. */
static struct list types_around(struct analysis *a, const struct object *type)
{
    const struct object *o;
    struct list all = {0};
    sql__push(a->arena, &all, (void *)(uintptr_t)type);
    for (int before = 0; before < all.n;) {
        before = all.n;
        for (size_t i = 0; (o = catalog_next_type(a->ctx->view, &i));) {
            const struct table *t = o->domain ? o->domain : o->attributes;
            bool found = among(&all, o);
            for (int c = 0; t && c < t->n_columns && !found; c++) {
                found = has_one_of(&t->columns[c], &all);
                if (found)
                    sql__push(a->arena, &all, (void *)(uintptr_t)o);
            }
        }
    }
    return all;
}

/* The first column that has one of them; -1: there is none. */
static int column_of(const struct table *t, const struct list *types)
{
    for (int c = 0; c < t->n_columns; c++)
        if (has_one_of(&t->columns[c], types))
            return c;
    return -1;
}

static struct error *no_column_has(const struct analysis *a, const struct object *type,
                                   const struct list *types, bool drops)
{
    for (size_t i = 0; i < a->ctx->view->n_tables; i++) {
        const struct table *t = a->ctx->view->tables[i];
        int c = column_of(t, types);
        if (c >= 0 && drops)
            return sql__unsupported(a, -1, "Drop the column first.",
                                    "dropping an attribute of type \"%s\", which column \"%s.%s\" "
                                    "has, is not supported",
                                    type->name, t->name, t->columns[c].name);
        if (c >= 0)
            return error_new(E_UNSUPPORTED,
                             "cannot alter type \"%s\" because column \"%s.%s\" uses it",
                             type->name, t->name, t->columns[c].name);
    }
    return NULL;
}

/* ---- texts that would say something else --------------------------------------------------- */

static struct error *is_read(const struct analysis *a, const struct object *type, const char *what)
{
    return sql__unsupported(a, -1, "Drop it first, and make it again.",
                            "changing attributes of type \"%s\" while %s hangs on it is not "
                            "supported",
                            type->name, what);
}

static bool has_texts(const struct table *t, const struct list *types)
{
    bool any = t->n_checks > 0;
    for (int c = 0; c < t->n_columns; c++)
        any |= t->columns[c].generated ||
               (has_one_of(&t->columns[c], types) && t->columns[c].default_sql);
    for (int i = 0; i < t->n_indexes; i++)
        any |= t->indexes[i].where_sql || t->indexes[i].n_expressions;
    return any;
}

static struct error *check_texts(struct analysis *a, const struct object *type,
                                 const struct list *types)
{
    struct list views = {0};
    struct dependents deps = {0};
    for (int i = 0; i < types->n; i++)
        sql__views_on(a, ((const struct object *)types->items[i])->id, "", &views, &deps);
    for (size_t i = 0; i < a->ctx->view->n_tables; i++) {
        const struct table *t = a->ctx->view->tables[i];
        bool has = column_of(t, types) >= 0;
        if (has)
            sql__views_on(a, t->id, "", &views, &deps);
        if ((has && has_texts(t, types)) || sql__names_type(a, t, type))
            return is_read(a, type, sql__describe_table(a, t));
        if (has && t->query)
            return is_read(a, type, arena_printf(a->arena, "materialized view %s", t->name));
    }
    return deps.list.n ? is_read(a, type, sql__last_dependent(&deps)->what) : NULL;
}

/* ---- the changes --------------------------------------------------------------------------- */

static struct error *begin(struct analysis *a, const RangeVar *rv, const struct object **ret)
{
    sql__change_objects(a, "ALTER TYPE");
    a->q->alone = "ALTER TYPE ... ATTRIBUTE";
    *ret = sql__lookup_object(a, OBJ_COMPOSITE, rv);
    if (*ret)
        return NULL;
    if (sql__lookup_table(a, rv) || sql__lookup_view(a, rv))
        return error_new("42809", "\"%s\" is not a composite type", rv->relname);
    if (rv->schemaname && !catalog_schema(a->ctx->view, rv->schemaname))
        return sql__no_schema(rv->schemaname);
    return sql__undefined_relation(rv->schemaname, rv->relname);
}

static struct error *taken(const struct table *t, const char *name)
{
    if (table_column(t, name) < 0)
        return NULL;
    return error_new("42701", "column \"%s\" of relation \"%s\" already exists", name, t->name);
}

static struct error *add(struct analysis *a, struct table *t, const ColumnDef *n,
                         const struct list *around)
{
    struct column *grown = ARENA_ARRAY(a->arena, struct column, t->n_columns + 1);
    TRY(taken(t, n->colname));
    if (t->n_columns)
        memcpy(grown, t->columns, sizeof(*grown) * (size_t)t->n_columns);
    t->columns = grown;
    TRY(sql__add_attribute(a, t, n));
    if (!has_one_of(&t->columns[t->n_columns - 1], around))
        return NULL;
    return error_new("42P16", "composite type %s cannot be made a member of itself", t->name);
}

static struct error *no_attribute(const struct table *t, const char *name)
{
    return error_new(E_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", name,
                     t->name);
}

static struct error *drop(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    int at = table_column(t, c->name);
    if (at < 0 && !c->missing_ok)
        return no_attribute(t, c->name);
    if (at < 0) {
        sql__notice(a, "00000", NULL, "column \"%s\" of relation \"%s\" does not exist, skipping",
                    c->name, t->name);
        return NULL;
    }
    memmove(&t->columns[at], &t->columns[at + 1],
            sizeof(*t->columns) * (size_t)(t->n_columns - at - 1));
    t->n_columns--;
    return NULL;
}

static struct error *change_type(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    int at = table_column(t, c->name), n = t->n_columns;
    ColumnDef def = *(const ColumnDef *)(const void *)c->def;
    if (at < 0)
        return no_attribute(t, c->name);
    struct table own = *t; /* another one, with the name that it has for the moment */
    own.columns = ARENA_ARRAY(a->arena, struct column, 1);
    own.n_columns = 0;
    def.colname = c->name;
    TRY(sql__add_attribute(a, &own, &def));
    t->columns[at] = own.columns[0];
    t->n_columns = n;
    return NULL;
}

static struct error *change(struct analysis *a, struct object *next, const AlterTableCmd *c,
                            const struct object *old, const struct list *around)
{
    switch (c->subtype) {
    case AT_AddColumn:
        return add(a, next->attributes, (const ColumnDef *)(const void *)c->def, around);
    case AT_DropColumn:
        TRY(drop(a, next->attributes, c));
        return no_column_has(a, old, around, true);
    case AT_AlterColumnType:
        TRY(change_type(a, next->attributes, c));
        return no_column_has(a, old, around, false);
    default:
        return sql__unsupported(a, -1, "Make another type, and drop this one.",
                                "this ALTER TYPE is not supported");
    }
}

struct error *sql__alter_attributes(struct analysis *a, const AlterTableStmt *n)
{
    const struct object *old;
    TRY(begin(a, n->relation, &old));
    struct object *next = object_copy(old, a->arena);
    struct list around = types_around(a, old);
    for (int i = 0; i < list_length(n->cmds); i++)
        TRY(change(a, next, list_nth(n->cmds, i), old, &around));
    TRY(check_texts(a, old, &around));
    if (next->attributes->n_columns > SQL__RECORD_FIELDS)
        return sql__unsupported(a, -1, "Use several types.",
                                "a composite type of more than %d attributes is not supported",
                                SQL__RECORD_FIELDS);
    sql__change_object(a, old, next);
    return NULL;
}

struct error *sql__rename_attribute(struct analysis *a, const RenameStmt *n)
{
    const struct object *old;
    TRY(begin(a, n->relation, &old));
    struct object *next = object_copy(old, a->arena);
    struct list around = types_around(a, old);
    int at = table_column(next->attributes, n->subname);
    if (at < 0)
        return error_new(E_UNDEFINED_COLUMN, "column \"%s\" does not exist", n->subname);
    TRY(taken(next->attributes, n->newname));
    TRY(check_texts(a, old, &around));
    next->attributes->columns[at].name = arena_strdup(a->arena, n->newname);
    sql__change_object(a, old, next);
    return NULL;
}
