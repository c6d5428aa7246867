/*
 * Databases, schemas, and names in files.
 *
 * A view shows everything there is; its part for one database (catalog_of_database) is what
 * statements are analysed against, so that nothing above has to know that there are others. Parts
 * are made when they are first asked for, and live as long as their view.
 *
 * Three databases are there without a record: "minisql", "postgres" and "template1". So are the
 * schemas pg_catalog, information_schema, and in each database public, until it is dropped.
 */
#include "catalog/catalog_int.h"

#include <strings.h>

static const struct fixed {
    const char *name;
    uint64_t id;
    uint32_t oid;
} fixed[] = {{CATALOG_FIRST_DATABASE, 0, 16383},
             {"postgres", CATALOG_POSTGRES_ID, 5},
             {"template1", CATALOG_TEMPLATE_ID, 1}};
/* pg_namespace.oid */
enum {
    OID_TEMPORARY = 16382,
    OID_PG_CATALOG = 11,
    OID_PUBLIC = 2200,
    OID_INFORMATION_SCHEMA = 13207
};

/* ---- databases ---------------------------------------------------------------------------- */

const struct catalog_view *catalog_of_database(const struct catalog_view *v, uint64_t database)
{
    struct view *all = (struct view *)(uintptr_t)v->all;
    pthread_mutex_lock(&all->parting);
    struct view *p = all->parts;
    while (p && p->pub.database != database)
        p = p->parts;
    if (!p) {
        p = catalog__view_part(all, database);
        p->parts = all->parts;
        all->parts = p;
    }
    pthread_mutex_unlock(&all->parting);
    return &p->pub;
}

static const struct fixed *fixed_by_id(uint64_t id)
{
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (fixed[i].id == id)
            return &fixed[i];
    return NULL;
}

bool catalog_database(const struct catalog_view *v, const char *name, uint64_t *ret_id)
{
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (strcmp(fixed[i].name, name) == 0) {
            *ret_id = fixed[i].id;
            return true;
        }
    const struct object *o = catalog_object(v, OBJ_DATABASE, "", name);
    if (o)
        *ret_id = o->id;
    return o != NULL;
}

bool catalog_is_colocated(const struct catalog_view *v, uint64_t database)
{
    const char *name = catalog_database_name(v, database);
    const struct object *o = name ? catalog_object(v, OBJ_DATABASE, "", name) : NULL;
    return o && o->colocated;
}

uint32_t catalog_database_oid(const struct catalog_view *v, const char *name)
{
    uint64_t id;
    if (!catalog_database(v, name, &id))
        return 0;
    const struct fixed *f = fixed_by_id(id);
    return f ? f->oid : catalog_oid(id);
}

const char *catalog_database_name(const struct catalog_view *v, uint64_t id)
{
    const struct fixed *f = fixed_by_id(id);
    if (f)
        return f->name;
    const struct object *o = catalog_object_by_id(v, id);
    return o && o->kind == OBJ_DATABASE ? o->name : NULL;
}

struct error *catalog_view_database(struct catalog *c, const char *database,
                                    const struct catalog_view **ret)
{
    const struct catalog_view *v = catalog_view(c);
    uint64_t id;
    if (!catalog_database(v, database, &id)) {
        catalog_unref(v);
        return error_new(E_NO_DATABASE, "database \"%s\" does not exist", database);
    }
    *ret = catalog_of_database(v, id);
    return NULL;
}

/* ---- schemas ------------------------------------------------------------------------------ */

uint32_t catalog_schema(const struct catalog_view *v, const char *name)
{
    const struct object *o = catalog_object(v, OBJ_SCHEMA, "", name);
    if (o)
        return o->dropped ? 0 : catalog_oid(o->id);
    return strcmp(name, "public") == 0               ? OID_PUBLIC
           : strcmp(name, "pg_catalog") == 0         ? OID_PG_CATALOG
           : strcmp(name, "information_schema") == 0 ? OID_INFORMATION_SCHEMA
           : strcmp(name, CATALOG_TEMP_SCHEMA) == 0  ? OID_TEMPORARY
                                                     : 0;
}

/* ---- comments on them ------------------------------------------------------------------------ */

static const char *comment_record(const struct catalog_view *v, const char *on, const char *initial)
{
    const struct object *o = catalog_object(v, OBJ_COMMENT, "", on);
    return o ? o->comment : initial;
}

const char *catalog_schema_comment(const struct catalog_view *v, const char *name)
{
    static const struct {
        const char *schema, *comment;
    } system[] = {{"pg_catalog", "system catalog schema"}};
    const struct object *o = catalog_object(v, OBJ_SCHEMA, "", name);
    if (o)
        return o->comment;
    for (size_t i = 0; i < ARRAY_LEN(system); i++)
        if (strcmp(system[i].schema, name) == 0)
            return system[i].comment;
    return strcmp(name, "public") == 0
               ? comment_record(v, CATALOG_ON_PUBLIC, "standard public schema")
               : NULL;
}

const char *catalog_database_comment(const struct catalog_view *v, const char *name)
{
    uint64_t id;
    const struct object *o = catalog_object(v, OBJ_DATABASE, "", name);
    if (o || !catalog_database(v, name, &id))
        return o ? o->comment : NULL;
    return comment_record(catalog_of_database(v, id), CATALOG_ON_DATABASE,
                          id ? "default administrative connection database" : NULL);
}

/* ---- types -------------------------------------------------------------------------------- */

/* As messages show it; quoted where needed. */
static void put_name(struct buf *b, const char *name)
{
    bool plain = (*name >= 'a' && *name <= 'z') || *name == '_';
    for (const char *p = name; *p; p++)
        plain &= (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_';
    buf_puts(b, plain ? "" : "\"");
    for (const char *p = name; *p; p++)
        buf_printf(b, *p == '"' ? "\"\"" : "%c", *p);
    buf_puts(b, plain ? "" : "\"");
}

static void make_composite(const struct object *o, const char *sql_name)
{
    const struct table *t = o->attributes;
    struct composite_attribute *all = mem_zalloc(sizeof(*all) * (size_t)(t->n_columns + 1));
    for (int i = 0; i < t->n_columns; i++)
        all[i] = (struct composite_attribute){t->columns[i].name, t->columns[i].type,
                                              t->columns[i].typmod};
    types_add_composite(catalog_oid(o->id), catalog_oid(o->array_id), o->name, sql_name, all,
                        t->n_columns);
    mem_free(all);
}

void catalog__make_type(const struct object *o)
{
    _cleanup_(buf_done) struct buf name = {0};
    if (strcmp(o->schema, "public") != 0) {
        put_name(&name, o->schema);
        buf_puts(&name, ".");
    }
    put_name(&name, o->name);
    if (o->kind == OBJ_DOMAIN) {
        types_add_domain(catalog_oid(o->id), o->name, name.data, o->domain->columns[0].type);
        return;
    }
    if (o->kind == OBJ_COMPOSITE) {
        make_composite(o, name.data);
        return;
    }
    struct enum_label *labels = mem_zalloc(sizeof(*labels) * (size_t)(o->n_labels + 1));
    for (int i = 0; i < o->n_labels; i++)
        labels[i] = (struct enum_label){o->labels[i].name, o->labels[i].value};
    types_add_enum(catalog_oid(o->id), catalog_oid(o->array_id), o->name, name.data, labels,
                   o->n_labels);
    mem_free(labels);
}

/* ---- names in files ----------------------------------------------------------------------- */

const char *table_file_name(const struct table *t)
{
    return t->file_name ? t->file_name : t->name;
}

const char *index_file_name(const struct index *x)
{
    return x->file_name ? x->file_name : x->name;
}

/* ---- names that are not a table's own -------------------------------------------------------- */

/* Two of 64 bits */
uint64_t catalog__name_bits(const char *name)
{
    uint64_t h = 0;
    for (; *name; name++)
        h = (h + (unsigned char)(*name | 0x20)) * 0x9e3779b97f4a7c15ull;
    return 1ull << (h >> 58) | 1ull << (h >> 52 & 63);
}

bool catalog__may_name(const struct table *t, uint64_t bits)
{
    return !t->named || (t->named & bits) == bits;
}

void catalog__sum_names(struct table *t)
{
    t->named = catalog__name_bits(table_file_name(t));
    for (int i = 0; i < t->n_indexes; i++)
        t->named |= catalog__name_bits(t->indexes[i].name) |
                    catalog__name_bits(index_file_name(&t->indexes[i]));
    for (int i = 0; i < t->n_keys; i++)
        t->named |= catalog__name_bits(t->keys[i].name);
}

bool catalog_file_name_taken(const struct catalog_view *v, const char *file_name)
{
    uint64_t bits = catalog__name_bits(file_name);
    for (size_t i = 0; i < v->all->n_tables; i++) {
        const struct table *t = v->all->tables[i];
        if (!catalog__may_name(t, bits))
            continue;
        if (strcasecmp(table_file_name(t), file_name) == 0)
            return true;
        for (int k = 0; k < t->n_indexes; k++)
            if (strcasecmp(index_file_name(&t->indexes[k]), file_name) == 0)
                return true;
    }
    return false;
}

/* "t", "sales:t", "shop:public:t"; never with a dot, which ends the table in SQLite's messages. */
char *catalog_file_name(const struct catalog_view *v, const char *schema, const char *name,
                        struct arena *a)
{
    _cleanup_(buf_done) struct buf b = {0};
    const char *database = catalog_database_name(v, v->database);
    bool plain = !v->database && strcmp(schema, "public") == 0 && !strpbrk(name, "./%");
    if (v->database) {
        catalog__put_escaped(&b, database ? database : "?");
        buf_puts(&b, ":");
    }
    if (!plain) {
        catalog__put_escaped(&b, schema);
        buf_puts(&b, ":");
        catalog__put_escaped(&b, name);
    }
    char *first = arena_strdup(a, plain ? name : b.data), *s = first;
    for (int i = 2; catalog_file_name_taken(v, s); i++)
        s = arena_printf(a, "%s~%d", first, i);
    return s;
}
