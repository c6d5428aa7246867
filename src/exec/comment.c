/*
 * Comments, as pg_description and pg_shdescription have them and obj_description() and its kin find
 * them. The catalog keeps each in the record of what it is on.
 */
#include "exec/system.h"

enum { IN_TYPE = 1247, IN_CLASS = 1259, IN_DATABASE = 1262, IN_CONSTRAINT = 2606 };
enum { IN_NAMESPACE = 2615 };

static const struct {
    const char *name;
    uint32_t oid;
} classes[] = {{"pg_type", IN_TYPE},
               {"pg_class", IN_CLASS},
               {"pg_database", IN_DATABASE},
               {"pg_constraint", IN_CONSTRAINT},
               {"pg_namespace", IN_NAMESPACE}};

uint32_t exec__class_oid(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (strcmp(classes[i].name, name) == 0)
            return classes[i].oid;
    return 0;
}

/* ---- all there are -------------------------------------------------------------------------- */

struct visit {
    exec__comment_fn *f;
    void *ctx;
};

static struct error *one(const struct visit *x, uint32_t oid, uint32_t class, int part,
                         const char *text)
{
    if (!text || !*text)
        return NULL;
    return x->f(x->ctx, &(struct exec__comment){oid, class, part, text});
}

static struct error *on_columns(const struct visit *x, const struct table *t)
{
    for (int i = 0; i < t->n_columns; i++)
        TRY(one(x, catalog_table_oid(t), IN_CLASS, i + 1, t->columns[i].comment));
    return NULL;
}

static struct error *on_table(const struct visit *x, const struct table *t)
{
    TRY(one(x, catalog_table_oid(t), IN_CLASS, 0, t->comment));
    TRY(on_columns(x, t));
    for (int i = 0; i < t->n_keys; i++) {
        TRY(one(x, catalog_oid(t->keys[i].index_id), IN_CLASS, 0, t->keys[i].index_comment));
        TRY(one(x, catalog_oid(t->keys[i].id), IN_CONSTRAINT, 0, t->keys[i].comment));
    }
    for (int i = 0; i < t->n_indexes; i++)
        TRY(one(x, catalog_oid(t->indexes[i].id), IN_CLASS, 0, t->indexes[i].comment));
    for (int i = 0; i < t->n_checks; i++)
        TRY(one(x, catalog_oid(t->checks[i].id), IN_CONSTRAINT, 0, t->checks[i].comment));
    for (int i = 0; i < t->n_foreign_keys; i++)
        TRY(one(x, catalog_oid(t->foreign_keys[i].id), IN_CONSTRAINT, 0,
                t->foreign_keys[i].comment));
    return NULL;
}

static struct error *on_object(const struct visit *x, const struct object *o)
{
    if (o->relation)
        TRY(on_columns(x, o->relation));
    if (o->relation)
        return one(x, catalog_oid(o->id), IN_CLASS, 0, o->comment);
    for (int i = 0; o->domain && i < o->domain->n_checks; i++)
        TRY(one(x, catalog_oid(o->domain->checks[i].id), IN_CONSTRAINT, 0,
                o->domain->checks[i].comment));
    return o->kind == OBJ_ENUM || o->kind == OBJ_DOMAIN || o->kind == OBJ_COMPOSITE
               ? one(x, catalog_oid(o->id), IN_TYPE, 0, o->comment)
               : NULL;
}

static struct error *on_schemas(const struct visit *x, const struct catalog_view *v)
{
    static const char *const always[] = {"public", "pg_catalog"};
    for (size_t i = 0; i < ARRAY_LEN(always); i++) {
        uint32_t oid = catalog_schema(v, always[i]);
        if (oid && !catalog_object(v, OBJ_SCHEMA, "", always[i]))
            TRY(one(x, oid, IN_NAMESPACE, 0, catalog_schema_comment(v, always[i])));
    }
    for (size_t i = 0; i < v->n_objects; i++)
        if (v->objects[i]->kind == OBJ_SCHEMA && !v->objects[i]->dropped)
            TRY(one(x, catalog_oid(v->objects[i]->id), IN_NAMESPACE, 0, v->objects[i]->comment));
    return NULL;
}

struct error *exec__each_comment(const struct catalog_view *v, exec__comment_fn *f, void *ctx)
{
    const struct visit x = {f, ctx};
    for (size_t i = 0; i < v->n_tables; i++)
        TRY(on_table(&x, v->tables[i]));
    for (size_t i = 0; i < v->n_objects; i++)
        TRY(on_object(&x, v->objects[i]));
    for (size_t i = 0; i < v->n_sequences; i++)
        TRY(one(&x, catalog_oid(v->sequences[i]->id), IN_CLASS, 0, v->sequences[i]->comment));
    return on_schemas(&x, v);
}

struct error *exec__each_database_comment(const struct catalog_view *v, exec__comment_fn *f,
                                          void *ctx)
{
    static const struct {
        uint32_t oid;
        const char *comment;
    } templates[] = {{1, "default template for new databases"}, {4, "unmodifiable empty database"}};
    static const char *const always[] = {CATALOG_FIRST_DATABASE, "postgres"};
    const struct visit x = {f, ctx};
    for (size_t i = 0; i < ARRAY_LEN(templates); i++)
        TRY(one(&x, templates[i].oid, IN_DATABASE, 0, templates[i].comment));
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        TRY(one(&x, catalog_database_oid(v, always[i]), IN_DATABASE, 0,
                catalog_database_comment(v, always[i])));
    for (size_t i = 0; i < v->n_objects; i++)
        if (v->objects[i]->kind == OBJ_DATABASE)
            TRY(one(&x, catalog_oid(v->objects[i]->id), IN_DATABASE, 0, v->objects[i]->comment));
    return NULL;
}

/* ---- one ------------------------------------------------------------------------------------ */

static const char *of_part(const struct exec__object *x, uint32_t *ret_class)
{
    const struct table *t = x->table;
    *ret_class = x->kind >= OBJECT_KEY ? IN_CONSTRAINT : IN_CLASS;
    switch (x->kind) {
    case OBJECT_INDEX:
        return x->part < t->n_keys ? t->keys[x->part].index_comment
                                   : t->indexes[x->part - t->n_keys].comment;
    case OBJECT_KEY:
        return t->keys[x->part].comment;
    case OBJECT_CHECK:
        return t->checks[x->part].comment;
    case OBJECT_FOREIGN_KEY:
        return t->foreign_keys[x->part].comment;
    default:
        return t->comment;
    }
}

struct search {
    uint32_t oid, class; /* 0: any */
    const char *found;
};

static struct error *look(void *ctx, const struct exec__comment *c)
{
    struct search *s = ctx;
    if (c->oid == s->oid && c->part == 0 && (!s->class || s->class == c->class))
        s->found = c->text;
    return NULL;
}

const char *exec__comment(const struct exec__objects *all, uint32_t oid, uint32_t class)
{
    const struct catalog_view *v = exec__objects_view(all);
    const struct exec__object *x = exec__object(all, oid);
    struct search s = {oid, class, NULL};
    uint32_t own;
    bool in_table = x && (x->kind == OBJECT_TABLE || x->kind >= OBJECT_INDEX);
    if (in_table && x->relkind != 'c') { /* that is a type, too */
        const char *text = of_part(x, &own);
        return !class || class == own ? text : NULL;
    }
    error_free(class == IN_DATABASE ? exec__each_database_comment(v, look, &s)
                                    : exec__each_comment(v, look, &s));
    return s.found;
}

const char *exec__column_comment(const struct exec__objects *all, uint32_t oid, int64_t number)
{
    const struct exec__object *x = exec__object(all, oid);
    if (number == 0)
        return exec__comment(all, oid, IN_CLASS);
    bool has = x && (x->kind == OBJECT_TABLE || x->kind == OBJECT_VIEW) && number >= 1 &&
               number <= x->table->n_columns;
    return has ? x->table->columns[number - 1].comment : NULL;
}
