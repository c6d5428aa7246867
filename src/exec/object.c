/*
 * Objects of the catalog by their object ids, for functions that are given one. The list is made
 * once for each state of the schema and shared by all who ask meanwhile.
 */
#include "exec/system.h"

struct exec__objects {
    int refs;                        /* guarded by exec.lock */
    const struct catalog_view *view; /* that it was made of, and holds */
    struct arena arena;
    struct map map;        /* oid -> struct exec__object */
    struct map names;      /* schema \0 name -> the relation */
    struct map referenced; /* ids of tables that foreign keys point at */
    struct map owners;     /* sequence -> the table that it goes with */
};

static void put_name_key(struct buf *key, const char *schema, const char *name)
{
    buf_append(key, schema, strlen(schema) + 1);
    buf_puts(key, name);
}

static struct exec__object *add(struct exec__objects *o, enum exec__object_kind kind, uint32_t oid,
                                const struct table *t, char relkind, int part)
{
    struct exec__object *x = ARENA_NEW(&o->arena, struct exec__object);
    *x = (struct exec__object){
        .kind = kind, .oid = oid, .table = t, .part = part, .relkind = relkind};
    map_put_u64(&o->map, oid, x);
    if (!exec__is_relation(x))
        return x;
    _cleanup_(buf_done) struct buf key = {0};
    put_name_key(&key, t->schema, exec__object_name(x));
    map_put(&o->names, key.data, key.len, x);
    return x;
}

static void add_table(struct exec__objects *o, const struct table *t, char kind)
{
    struct exec__index x;
    add(o, exec__view_of(o->view, t) ? OBJECT_VIEW : OBJECT_TABLE, catalog_table_oid(t), t, kind,
        0);
    for (int i = 0; i < exec__n_indexes(t); i++)
        if (exec__index(t, i, &x))
            add(o, OBJECT_INDEX, x.oid, t, kind, i);
    for (int i = 0; i < t->n_keys; i++)
        add(o, OBJECT_KEY, catalog_oid(t->keys[i].id), t, kind, i);
    for (int i = 0; i < t->n_checks; i++)
        add(o, OBJECT_CHECK, catalog_oid(t->checks[i].id), t, kind, i);
    for (int i = 0; i < t->n_foreign_keys; i++) {
        add(o, OBJECT_FOREIGN_KEY, catalog_oid(t->foreign_keys[i].id), t, kind, i);
        map_put_u64(&o->referenced, t->foreign_keys[i].table, o);
    }
    for (int i = 0; i < t->n_owned; i++)
        map_put_u64(&o->owners, t->owned[i].sequence, (void *)(uintptr_t)t);
}

/* Takes the reference. */
static struct exec__objects *make(const struct catalog_view *v)
{
    struct exec__objects *o = NEW(struct exec__objects);
    o->refs = 1;
    o->view = v;
    const struct table *t;
    char kind;
    for (size_t i = 0; (t = exec__next_relation(v, &i, &kind));)
        add_table(o, t, kind);
    const struct object *type;
    for (size_t i = 0; (type = catalog_next_type(v, &i));)
        for (int k = 0; type->domain && k < type->domain->n_checks; k++)
            add(o, OBJECT_CHECK, catalog_oid(type->domain->checks[k].id), type->domain, 0, k);
    for (size_t i = 0; i < v->n_sequences; i++) {
        struct table *s = ARENA_NEW(&o->arena, struct table);
        *s = exec__sequence_table(v->sequences[i]);
        add(o, OBJECT_SEQUENCE, catalog_oid(s->id), s, 'S', 0)->sequence = v->sequences[i];
    }
    return o;
}

void exec__objects_put(struct exec *e, struct exec__objects *o)
{
    if (!o)
        return;
    pthread_mutex_lock(&e->lock);
    bool last = --o->refs == 0;
    pthread_mutex_unlock(&e->lock);
    if (!last)
        return;
    catalog_unref(o->view);
    map_done(&o->map);
    map_done(&o->names);
    map_done(&o->referenced);
    map_done(&o->owners);
    arena_done(&o->arena);
    mem_free(o);
}

/* What the session's transaction has made of the catalog so far is nobody else's. */
static struct exec__objects *own_objects(struct exec_session *s)
{
    const struct catalog_view *v;
    struct error *err = catalog_view_database(exec_catalog(s), s->database, &v);
    if (err) /* it was dropped meanwhile */
        v = exec_view(s);
    error_free(err);
    return make(exec__with_temporary(s, v));
}

struct exec__objects *exec__objects_get(struct exec_session *s)
{
    struct exec *e = s->exec;
    if (exec_catalog(s) != e->catalog || exec_temp_text(s))
        return own_objects(s);
    pthread_mutex_lock(&e->lock);
    struct exec__objects *o = map_get_str(&e->objects, s->database);
    bool current = o && catalog_schema_is_current(e->catalog, o->view);
    if (current)
        o->refs++;
    pthread_mutex_unlock(&e->lock);
    if (current)
        return o;
    o = own_objects(s);
    pthread_mutex_lock(&e->lock);
    o->refs++;
    struct exec__objects *old = map_put_str(&e->objects, s->database, o);
    pthread_mutex_unlock(&e->lock);
    exec__objects_put(e, old);
    return o;
}

void exec__objects_forget(struct exec *e)
{
    void *o;
    for (size_t i = 0; map_next(&e->objects, &i, &o);)
        exec__objects_put(e, o);
    map_done(&e->objects);
}

struct exec__objects *exec__objects_now(struct exec_session *s)
{
    if (!s || !s->run)
        return NULL;
    if (!s->run->objects)
        s->run->objects = exec__objects_get(s);
    return s->run->objects;
}

const struct catalog_view *exec__objects_view(const struct exec__objects *o)
{
    return o->view;
}

const struct exec__object *exec__object(const struct exec__objects *o, uint32_t oid)
{
    return map_get_u64(&o->map, oid);
}

const struct exec__object *exec__relation_named(const struct exec__objects *o, const char *schema,
                                                const char *name)
{
    _cleanup_(buf_done) struct buf key = {0};
    put_name_key(&key, schema, name);
    return map_get(&o->names, key.data, key.len);
}

bool exec__is_referenced(const struct exec__objects *o, const struct table *t)
{
    return t->id && map_get_u64(&o->referenced, t->id);
}

const struct table *exec__owner_of(const struct exec__objects *o, uint64_t sequence,
                                   int *ret_column)
{
    const struct table *t = map_get_u64(&o->owners, sequence);
    for (int i = 0; t && i < t->n_owned; i++)
        if (t->owned[i].sequence == sequence)
            *ret_column = t->owned[i].column;
    return t;
}

bool exec__is_relation(const struct exec__object *x)
{
    return x->kind == OBJECT_TABLE || x->kind == OBJECT_VIEW || x->kind == OBJECT_SEQUENCE ||
           x->kind == OBJECT_INDEX;
}

const char *exec__object_name(const struct exec__object *x)
{
    const struct table *t = x->table;
    switch (x->kind) {
    case OBJECT_INDEX:
        return x->part < t->n_keys ? t->keys[x->part].name : t->indexes[x->part - t->n_keys].name;
    case OBJECT_KEY:
        return t->keys[x->part].name;
    case OBJECT_CHECK:
        return t->checks[x->part].name;
    case OBJECT_FOREIGN_KEY:
        return t->foreign_keys[x->part].name;
    case OBJECT_TABLE:
    case OBJECT_VIEW:
    case OBJECT_SEQUENCE:
        break;
    }
    return t->name;
}
