/*
 * Views: how one is made from the store's records, or from an earlier view and what changed since;
 * looking things up.
 *
 * A view's arrays are shared with its predecessor as long as nothing in them changes, and a
 * changed one is a copy of pointers, however many records changed at once: one region's new record
 * costs one parse, whatever the catalog's size.
 *
 * A record that makes no sense is logged, and the one before it stays in the view. When there is
 * none, the view is `incomplete`.
 */
#include "catalog/catalog_int.h"

/* ---- orders ------------------------------------------------------------------------------- */

int catalog__compare_tables_by_name(const void *a, const void *b)
{
    const struct table *x = a, *y = b;
    int order = (x->database > y->database) - (x->database < y->database);
    if (!order)
        order = strcmp(x->schema, y->schema);
    return order ? order : strcmp(x->name, y->name);
}

int catalog__compare_sequences_by_name(const void *a, const void *b)
{
    const struct sequence *x = a, *y = b;
    int order = (x->database > y->database) - (x->database < y->database);
    if (!order)
        order = strcmp(x->schema, y->schema);
    return order ? order : strcmp(x->name, y->name);
}

int catalog__compare_objects(const void *a, const void *b)
{
    const struct object *x = a, *y = b;
    int order = (x->database > y->database) - (x->database < y->database);
    if (!order)
        order = (x->kind > y->kind) - (x->kind < y->kind);
    if (!order)
        order = strcmp(x->schema, y->schema);
    return order ? order : strcmp(x->name, y->name);
}

_Static_assert(offsetof(struct table, id) == 0 && offsetof(struct region, id) == 0 &&
                   offsetof(struct object, id) == 0 && offsetof(struct sequence, id) == 0,
               "see by_id");

/* Of tables, of regions, of objects, or of bare ids. */
static int by_id(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int by_server_name(const void *a, const void *b)
{
    const struct server *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* ---- making views ------------------------------------------------------------------------- */

static struct view *view_new(const struct view *old)
{
    struct view *v = NEW(struct view);
    atomic_init(&v->refs, 1);
    pthread_mutex_init(&v->parting, NULL);
    if (old) {
        v->pub = old->pub;
        v->tables = catalog__array_ref(old->tables);
        v->tables_by_id = catalog__array_ref(old->tables_by_id);
        v->regions = catalog__array_ref(old->regions);
        v->servers = catalog__array_ref(old->servers);
        v->sequences = catalog__array_ref(old->sequences);
        v->sequences_by_id = catalog__array_ref(old->sequences_by_id);
        v->objects = catalog__array_ref(old->objects);
        v->objects_by_id = catalog__array_ref(old->objects_by_id);
        v->master = old->master ? mem_strdup(old->master) : NULL;
        v->drained = old->drained ? mem_strdup(old->drained) : NULL;
    } else {
        v->tables = catalog__array_new(0);
        v->tables_by_id = catalog__array_new(0);
        v->regions = catalog__array_new(0);
        v->servers = catalog__array_new(0);
        v->sequences = catalog__array_new(0);
        v->sequences_by_id = catalog__array_new(0);
        v->objects = catalog__array_new(0);
        v->objects_by_id = catalog__array_new(0);
    }
    return v;
}

void catalog__view_free(struct view *v)
{
    for (struct view *p = v->parts, *next; p; p = next) {
        next = p->parts;
        p->parts = NULL;
        catalog__view_free(p);
    }
    pthread_mutex_destroy(&v->parting);
    catalog__array_unref(v->objects);
    catalog__array_unref(v->objects_by_id);
    catalog__array_unref(v->tables);
    catalog__array_unref(v->tables_by_id);
    catalog__array_unref(v->regions);
    catalog__array_unref(v->servers);
    catalog__array_unref(v->sequences);
    catalog__array_unref(v->sequences_by_id);
    mem_free(v->master);
    mem_free(v->drained);
    mem_free(v);
}

static void replace(struct array **array, struct array *next)
{
    catalog__array_unref(*array);
    *array = next;
}

static bool sequence_is_in(const void *item, uint64_t database)
{
    return ((const struct sequence *)item)->database == database;
}

static bool table_is_in(const void *item, uint64_t database)
{
    return ((const struct table *)item)->database == database;
}

/* Databases are in sight from everywhere. */
static bool object_is_in(const void *item, uint64_t database)
{
    const struct object *o = item;
    return o->kind == OBJ_DATABASE || o->database == database;
}

static struct array *part_of(const struct array *all,
                             bool (*is_in)(const void *item, uint64_t database), uint64_t database)
{
    struct array *a = catalog__array_new(all->n);
    for (size_t i = 0; i < all->n; i++) {
        if (!is_in(all->items[i], database))
            continue;
        atomic_fetch_add(&catalog__record_of(all->items[i])->refs, 1);
        a->items[a->n++] = all->items[i];
    }
    return a;
}

/* The public half, once the arrays stand. */
static struct view *view_seal(struct view *v, uint64_t revision)
{
    v->pub.revision = revision;
    v->pub.n_tables = v->tables->n;
    v->pub.tables = (const struct table **)v->tables->items;
    v->pub.n_regions = v->regions->n;
    v->pub.regions = (const struct region **)v->regions->items;
    v->pub.n_servers = v->servers->n;
    v->pub.servers = (const struct server **)v->servers->items;
    v->pub.n_sequences = v->sequences->n;
    v->pub.sequences = (const struct sequence **)v->sequences->items;
    v->pub.n_objects = v->objects->n;
    v->pub.objects = (const struct object **)v->objects->items;
    v->pub.master = v->master;
    v->pub.drained = v->drained;
    v->pub.all = &v->pub;
    return v;
}

struct view *catalog__view_part(const struct view *v, uint64_t database)
{
    struct view *part = view_new(v);
    part->pub.database = database;
    bool own = true;
    for (size_t i = 0; i < v->pub.n_tables && own; i++)
        own = v->pub.tables[i]->database == database;
    for (size_t i = 0; i < v->pub.n_objects && own; i++)
        own = v->pub.objects[i]->database == database || v->pub.objects[i]->kind == OBJ_DATABASE;
    for (size_t i = 0; i < v->pub.n_sequences && own; i++)
        own = v->pub.sequences[i]->database == database;
    if (!own) {
        replace(&part->sequences, part_of(v->sequences, sequence_is_in, database));
        replace(&part->sequences_by_id, part_of(v->sequences_by_id, sequence_is_in, database));
        replace(&part->tables, part_of(v->tables, table_is_in, database));
        replace(&part->tables_by_id, part_of(v->tables_by_id, table_is_in, database));
        replace(&part->objects, part_of(v->objects, object_is_in, database));
        replace(&part->objects_by_id, part_of(v->objects_by_id, object_is_in, database));
    }
    view_seal(part, v->pub.revision);
    part->pub.all = &v->pub;
    return part;
}

static void array_remove(struct array **array, const void *key, array_compare *compare)
{
    bool found;
    size_t at = catalog__array_find(*array, key, compare, &found);
    if (found)
        catalog__array_remove(array, at);
}

/* An item of an array by names. When one transaction gives its name to another item, and this one a
 * new name or none, the other may have arrived first and stand here. */
static void remove_named(struct array **array, const void *item, array_compare *compare)
{
    bool found;
    size_t at = catalog__array_find(*array, item, compare, &found);
    if (found && (*array)->items[at] == item)
        catalog__array_remove(array, at);
}

/* ---- one change --------------------------------------------------------------------------- */

typedef struct error *decode_fn(const struct coord_kv *kv, struct record **ret);

/* The parsed record, or NULL after a complaint. */
static struct record *decode(struct view *v, const struct coord_kv *kv, decode_fn *f, bool known)
{
    struct record *r = NULL;
    struct error *e = f(kv, &r);
    if (e) {
        log_failure(LOG_ERROR, e, "catalog");
        v->pub.incomplete |= !known && f != catalog__decode_server;
        error_free(e);
    }
    return r;
}

static void remove_table(struct view *v, uint64_t id)
{
    bool found;
    size_t at = catalog__array_find(v->tables_by_id, &id, by_id, &found);
    if (!found)
        return;
    remove_named(&v->tables, v->tables_by_id->items[at], catalog__compare_tables_by_name);
    array_remove(&v->tables_by_id, &id, by_id);
}

static void table_changed(struct view *v, const struct coord_event *event)
{
    uint64_t id;
    bool found;
    if (!catalog__key_id(event->kv.key, KEY_TABLES, &id))
        return;
    catalog__array_find(v->tables_by_id, &id, by_id, &found);
    struct record *r = event->deleted ? NULL : decode(v, &event->kv, catalog__decode_table, found);
    if (!r && !event->deleted)
        return;
    v->pub.schema = event->kv.mod_revision;
    remove_table(v, id);
    if (!r)
        return;
    catalog__array_put(&v->tables, r, catalog__compare_tables_by_name);
    catalog__array_put(&v->tables_by_id, r, by_id);
    catalog__record_unref(r);
}

static void object_changed(struct view *v, const struct coord_event *event)
{
    uint64_t id;
    bool found;
    if (!catalog__key_id(event->kv.key, KEY_OBJECTS, &id))
        return;
    size_t at = catalog__array_find(v->objects_by_id, &id, by_id, &found);
    struct record *r = event->deleted ? NULL : decode(v, &event->kv, catalog__decode_object, found);
    if (!r && !event->deleted)
        return;
    v->pub.schema = event->kv.mod_revision;
    if (found) {
        remove_named(&v->objects, v->objects_by_id->items[at], catalog__compare_objects);
        array_remove(&v->objects_by_id, &id, by_id);
    }
    if (!r)
        return;
    catalog__array_put(&v->objects, r, catalog__compare_objects);
    catalog__array_put(&v->objects_by_id, r, by_id);
    catalog__record_unref(r);
}

/* Two records of one sequence: is it but values that were taken? */
static bool same_definition(const struct sequence *a, const struct sequence *b)
{
    return strcmp(a->schema, b->schema) == 0 && strcmp(a->name, b->name) == 0 &&
           a->type == b->type && a->start == b->start && a->increment == b->increment &&
           a->min == b->min && a->max == b->max && a->cache == b->cache && a->cycle == b->cycle &&
           strcmp(a->comment ? a->comment : "", b->comment ? b->comment : "") == 0;
}

static void sequence_changed(struct view *v, const struct coord_event *event)
{
    uint64_t id;
    bool found;
    if (!catalog__key_id(event->kv.key, KEY_SEQUENCES, &id))
        return;
    size_t at = catalog__array_find(v->sequences_by_id, &id, by_id, &found);
    const struct sequence *old = found ? v->sequences_by_id->items[at] : NULL;
    struct record *r =
        event->deleted ? NULL : decode(v, &event->kv, catalog__decode_sequence, found);
    if (!r && !event->deleted)
        return;
    if (!old || !r || !same_definition(old, (const struct sequence *)r->payload))
        v->pub.schema = event->kv.mod_revision;
    if (old) {
        remove_named(&v->sequences, old, catalog__compare_sequences_by_name);
        array_remove(&v->sequences_by_id, &id, by_id);
    }
    if (!r)
        return;
    catalog__array_put(&v->sequences, r, catalog__compare_sequences_by_name);
    catalog__array_put(&v->sequences_by_id, r, by_id);
    catalog__record_unref(r);
}

static void region_changed(struct view *v, const struct coord_event *event)
{
    uint64_t id;
    bool found;
    if (!catalog__key_id(event->kv.key, KEY_REGIONS, &id))
        return;
    if (event->deleted) {
        array_remove(&v->regions, &id, by_id);
        return;
    }
    catalog__array_find(v->regions, &id, by_id, &found);
    struct record *r = decode(v, &event->kv, catalog__decode_region, found);
    if (r)
        catalog__array_put(&v->regions, r, by_id);
    catalog__record_unref(r);
}

static void server_changed(struct view *v, const struct coord_event *event)
{
    struct server key = {.name = event->kv.key + strlen(KEY_SERVERS)};
    if (strchr(key.name, '/')) /* what is written beneath a server is not the server */
        return;
    if (event->deleted) {
        array_remove(&v->servers, &key, by_server_name);
        return;
    }
    struct record *r = decode(v, &event->kv, catalog__decode_server, true);
    if (r)
        catalog__array_put(&v->servers, r, by_server_name);
    catalog__record_unref(r);
}

static void text_changed(char **text, const struct coord_kv *kv)
{
    mem_free(*text);
    *text = kv && kv->value_len ? mem_strndup(kv->value, kv->value_len) : NULL;
}

static void change(struct view *v, const struct coord_event *event)
{
    const char *key = event->kv.key;
    if (strncmp(key, KEY_REGIONS, strlen(KEY_REGIONS)) == 0) {
        region_changed(v, event);
    } else if (strncmp(key, KEY_SERVERS, strlen(KEY_SERVERS)) == 0) {
        server_changed(v, event);
    } else if (strncmp(key, KEY_TABLES, strlen(KEY_TABLES)) == 0) {
        table_changed(v, event);
    } else if (strncmp(key, KEY_SEQUENCES, strlen(KEY_SEQUENCES)) == 0) {
        sequence_changed(v, event);
    } else if (strncmp(key, KEY_OBJECTS, strlen(KEY_OBJECTS)) == 0) {
        object_changed(v, event);
    } else if (strcmp(key, KEY_NEXT_ID) == 0) {
        v->pub.next_id = event->deleted ? 0 : strtoull(event->kv.value, NULL, 10);
    } else if (strcmp(key, KEY_CHANGING) == 0) {
        v->pub.changing = event->deleted ? 0 : event->kv.mod_revision;
    } else if (strcmp(key, KEY_MASTER) == 0) {
        text_changed(&v->master, event->deleted ? NULL : &event->kv);
    } else if (strcmp(key, KEY_DRAINED) == 0) {
        text_changed(&v->drained, event->deleted ? NULL : &event->kv);
    }
}

struct view *catalog__view_apply(const struct view *old, uint64_t revision,
                                 const struct coord_event *events, size_t n)
{
    struct view *v = view_new(old);
    for (size_t i = 0; i < n; i++)
        change(v, &events[i]);
    return view_seal(v, revision);
}

/* ---- tables of a session's own -------------------------------------------------------------- */

const struct catalog_view *catalog_view_with(const struct catalog_view *v, const char *records)
{
    _cleanup_(arena_done) struct arena a = {0};
    size_t n = 0, lines = 0;
    for (const char *p = records; *p; p++)
        lines += *p == '\n';
    struct coord_event *events = ARENA_ARRAY(&a, struct coord_event, lines + 1);
    for (const char *p = records, *end; n < lines; p = end + 1) {
        end = strchr(p, '\n');
        size_t key = strcspn(p, " \n");
        if (p[key] != ' ')
            key = 0; /* no record of ours */
        events[n++].kv =
            (struct coord_kv){.key = arena_strndup(&a, p, key),
                              .value = arena_strndup(&a, p + key, (size_t)(end - p) - key),
                              .value_len = (size_t)(end - p) - key,
                              .create_revision = v->revision,
                              .mod_revision = v->revision};
    }
    struct view *with =
        catalog__view_apply((const struct view *)(const void *)v->all, v->revision, events, n);
    with->pub.schema = v->schema; /* plans hang on what everybody sees */
    const struct catalog_view *part = catalog_of_database(&with->pub, v->database);
    catalog_unref(v);
    return part;
}

/* ---- everything at once ------------------------------------------------------------------- */

/* Puts an item, with its reference, where it belongs in an array that has room. The store lists by
 * key, so that most arrive at the end. */
static void insert(struct array *a, const void *item, array_compare *compare)
{
    bool found;
    size_t at = catalog__array_find(a, item, compare, &found);
    memmove(&a->items[at + 1], &a->items[at], (a->n - at) * sizeof(a->items[0]));
    a->items[at] = item;
    a->n++;
}

/* The record as it was before, for when the present one makes no sense; with a reference. */
static struct record *earlier(const struct array *old, const char *key, const char *root)
{
    uint64_t id;
    bool found = false;
    size_t at = 0;
    if (old && catalog__key_id(key, root, &id))
        at = catalog__array_find(old, &id, by_id, &found);
    if (!found)
        return NULL;
    struct record *r = catalog__record_of(old->items[at]);
    atomic_fetch_add(&r->refs, 1);
    return r;
}

/* All records under a root. */
static struct array *gather(struct view *v, const struct coord_list *all, const char *root,
                            decode_fn *f, array_compare *compare, const struct array *old)
{
    struct array *a = catalog__array_new(all->n);
    for (size_t i = 0; i < all->n; i++) {
        const struct coord_kv *kv = &all->kvs[i];
        if (strncmp(kv->key, root, strlen(root)) != 0 || strchr(kv->key + strlen(root), '/'))
            continue;
        struct record *before = earlier(old, kv->key, root);
        struct record *r = decode(v, kv, f, before);
        if (!r)
            r = before;
        else
            catalog__record_unref(before);
        if (r)
            insert(a, r->payload, compare);
    }
    return a;
}

static struct array *sorted(const struct array *items, array_compare *compare)
{
    struct array *a = catalog__array_new(items->n);
    for (size_t i = 0; i < items->n; i++) {
        atomic_fetch_add(&catalog__record_of(items->items[i])->refs, 1);
        insert(a, items->items[i], compare);
    }
    return a;
}

/* To read a type's record is to know the type (types/), and what has columns of it, views too, can
 * only be read then. The store lists by key, "10" before "9". */
static void learn_types(const struct coord_list *all)
{
    struct map left = {0};
    size_t before = SIZE_MAX;
    for (bool first = true; first || (left.len && left.len < before); first = false) {
        before = first ? SIZE_MAX : left.len;
        for (size_t i = 0; i < all->n; i++) {
            const struct coord_kv *kv = &all->kvs[i];
            if (strncmp(kv->key, KEY_OBJECTS, strlen(KEY_OBJECTS)) != 0 ||
                (!first && !map_get_str(&left, kv->key)))
                continue;
            struct record *r = NULL;
            struct error *e = catalog__decode_object(kv, &r);
            if (e)
                map_put_str(&left, kv->key, &left);
            else
                map_remove_str(&left, kv->key);
            error_free(e);
            catalog__record_unref(r);
        }
    }
    map_done(&left);
}

struct view *catalog__view_load(const struct view *old, const struct coord_list *all)
{
    struct view *v = view_new(NULL);
    if (old)
        v->pub.cluster = old->pub.cluster;
    learn_types(all);
    replace(&v->objects_by_id, gather(v, all, KEY_OBJECTS, catalog__decode_object, by_id,
                                      old ? old->objects_by_id : NULL));
    replace(&v->objects, sorted(v->objects_by_id, catalog__compare_objects));
    replace(&v->tables_by_id, gather(v, all, KEY_TABLES, catalog__decode_table, by_id,
                                     old ? old->tables_by_id : NULL));
    replace(&v->tables, sorted(v->tables_by_id, catalog__compare_tables_by_name));
    replace(&v->sequences_by_id, gather(v, all, KEY_SEQUENCES, catalog__decode_sequence, by_id,
                                        old ? old->sequences_by_id : NULL));
    replace(&v->sequences, sorted(v->sequences_by_id, catalog__compare_sequences_by_name));
    replace(&v->regions,
            gather(v, all, KEY_REGIONS, catalog__decode_region, by_id, old ? old->regions : NULL));
    replace(&v->servers, gather(v, all, KEY_SERVERS, catalog__decode_server, by_server_name, NULL));
    for (size_t i = 0; i < all->n; i++) {
        if (strcmp(all->kvs[i].key, KEY_MASTER) == 0)
            text_changed(&v->master, &all->kvs[i]);
        if (strcmp(all->kvs[i].key, KEY_CHANGING) == 0)
            v->pub.changing = all->kvs[i].mod_revision;
        if (strcmp(all->kvs[i].key, KEY_DRAINED) == 0)
            text_changed(&v->drained, &all->kvs[i]);
        if (strcmp(all->kvs[i].key, KEY_NEXT_ID) == 0)
            v->pub.next_id = strtoull(all->kvs[i].value, NULL, 10);
    }
    v->pub.schema = all->revision;
    return view_seal(v, all->revision);
}

/* ---- looking up --------------------------------------------------------------------------- */

static const void *lookup(const struct array *a, const void *key, array_compare *compare)
{
    bool found;
    size_t at = catalog__array_find(a, key, compare, &found);
    return found ? a->items[at] : NULL;
}

const struct table *catalog_table(const struct catalog_view *v, const char *schema,
                                  const char *name)
{
    struct table key = {.schema = (char *)(uintptr_t)schema,
                        .name = (char *)(uintptr_t)name,
                        .database = v->database};
    return lookup(((const struct view *)v)->tables, &key, catalog__compare_tables_by_name);
}

const struct table *catalog_table_by_id(const struct catalog_view *v, uint64_t id)
{
    return lookup(((const struct view *)v)->tables_by_id, &id, by_id);
}

const struct object *catalog_object(const struct catalog_view *v, enum object_kind kind,
                                    const char *schema, const char *name)
{
    struct object key = {.kind = kind,
                         .database = kind == OBJ_DATABASE ? 0 : v->database,
                         .schema = (char *)(uintptr_t)schema,
                         .name = (char *)(uintptr_t)name};
    return lookup(((const struct view *)v)->objects, &key, catalog__compare_objects);
}

const struct object *catalog_object_by_id(const struct catalog_view *v, uint64_t id)
{
    return lookup(((const struct view *)v)->objects_by_id, &id, by_id);
}

bool catalog__is_type(const struct object *o)
{
    return o->kind == OBJ_ENUM || o->kind == OBJ_DOMAIN || o->kind == OBJ_COMPOSITE;
}

const struct object *catalog_type(const struct catalog_view *v, const char *schema,
                                  const char *name)
{
    static const enum object_kind kinds[] = {OBJ_ENUM, OBJ_DOMAIN, OBJ_COMPOSITE};
    const struct object *o = NULL;
    for (size_t i = 0; i < ARRAY_LEN(kinds) && !o; i++)
        o = catalog_object(v, kinds[i], schema, name);
    return o;
}

const struct object *catalog_next_type(const struct catalog_view *v, size_t *i)
{
    while (*i < v->n_objects)
        if (catalog__is_type(v->objects[(*i)++]))
            return v->objects[*i - 1];
    return NULL;
}

bool column_has_type(const struct column *c, const struct object *type)
{
    uint32_t oid = catalog_oid(type->id);
    return catalog__is_type(type) && !c->dropped &&
           (c->domain
                ? c->domain == oid
                : c->type == oid || (type->array_id && c->type == catalog_oid(type->array_id)));
}

const struct object *catalog_domain(const struct catalog_view *v, uint32_t oid)
{
    const struct object *o =
        v && oid >= FIRST_USER_OID ? catalog_object_by_id(v, oid - FIRST_USER_OID) : NULL;
    return o && o->kind == OBJ_DOMAIN ? o : NULL;
}

const struct object *catalog_next_view(const struct catalog_view *v, size_t *i)
{
    for (; *i < v->n_objects + v->n_tables; (*i)++) {
        const struct object *o =
            *i < v->n_objects ? v->objects[*i] : v->tables[*i - v->n_objects]->query;
        if (!o || o->kind != OBJ_VIEW)
            continue;
        (*i)++;
        return o;
    }
    return NULL;
}

const struct sequence *catalog_sequence(const struct catalog_view *v, const char *schema,
                                        const char *name)
{
    struct sequence key = {.database = v->database,
                           .schema = (char *)(uintptr_t)schema,
                           .name = (char *)(uintptr_t)name};
    return lookup(((const struct view *)v)->sequences, &key, catalog__compare_sequences_by_name);
}

const struct sequence *catalog_sequence_by_id(const struct catalog_view *v, uint64_t id)
{
    return lookup(((const struct view *)v)->sequences_by_id, &id, by_id);
}

const struct table *catalog_sequence_owner(const struct catalog_view *v, uint64_t sequence,
                                           int *ret_column)
{
    for (size_t i = 0; i < v->n_tables; i++) {
        const struct table *t = v->tables[i];
        for (int k = 0; k < t->n_owned; k++) {
            if (t->owned[k].sequence != sequence)
                continue;
            *ret_column = t->owned[k].column;
            return t;
        }
    }
    return NULL;
}

const struct region *catalog_region(const struct catalog_view *v, uint64_t id)
{
    return lookup(((const struct view *)v)->regions, &id, by_id);
}

const struct server *catalog_server(const struct catalog_view *v, const char *name)
{
    struct server key = {.name = (char *)(uintptr_t)name};
    return lookup(((const struct view *)v)->servers, &key, by_server_name);
}

const struct table *catalog_index(const struct catalog_view *v, const char *schema,
                                  const char *name, const struct index **ret)
{
    uint64_t bits = catalog__name_bits(name);
    for (size_t i = 0; i < v->n_tables; i++) {
        const struct table *t = v->tables[i];
        if (!catalog__may_name(t, bits) || t->database != v->database ||
            strcmp(t->schema, schema) != 0)
            continue;
        for (int j = 0; j < t->n_indexes; j++) {
            if (strcmp(t->indexes[j].name, name) == 0) {
                if (ret)
                    *ret = &t->indexes[j];
                return t;
            }
        }
    }
    return NULL;
}

static bool has_key(const struct table *t, const char *name)
{
    for (int i = 0; i < t->n_keys; i++)
        if (strcmp(t->keys[i].name, name) == 0)
            return true;
    return false;
}

const struct table *catalog_key(const struct catalog_view *v, const char *schema, const char *name)
{
    uint64_t bits = catalog__name_bits(name);
    for (size_t i = 0; i < v->n_tables; i++) {
        const struct table *t = v->tables[i];
        if (catalog__may_name(t, bits) && t->database == v->database &&
            strcmp(t->schema, schema) == 0 && has_key(t, name))
            return t;
    }
    return NULL;
}

struct error *catalog_each_change(const struct catalog_view *old, const struct catalog_view *now,
                                  catalog_table_change *f, void *ctx)
{
    const struct array *a = ((const struct view *)(const void *)old)->tables_by_id;
    const struct array *b = ((const struct view *)(const void *)now)->tables_by_id;
    for (size_t i = 0, k = 0; i < a->n || k < b->n;) {
        const struct table *was = i < a->n ? a->items[i] : NULL;
        const struct table *is = k < b->n ? b->items[k] : NULL;
        if (was != is && was && is && was->id != is->id)
            *(was->id < is->id ? &is : &was) = NULL;
        i += was != NULL;
        k += is != NULL;
        if (was != is)
            TRY(f(ctx, was, is));
    }
    return NULL;
}

int table_column(const struct table *t, const char *name)
{
    for (int i = 0; i < t->n_columns; i++)
        if (!t->columns[i].dropped && strcmp(t->columns[i].name, name) == 0)
            return i;
    return -1;
}

/* ---- ids ---------------------------------------------------------------------------------- */

struct error *table_each_id(struct table *t, struct error *(*visit)(void *ctx, uint64_t *id),
                            void *ctx)
{
    for (int i = 0; i < t->n_columns; i++)
        if (t->columns[i].default_sql)
            TRY(visit(ctx, &t->columns[i].default_id));
    for (int i = 0; i < t->n_keys; i++) {
        TRY(visit(ctx, &t->keys[i].id));
        TRY(visit(ctx, &t->keys[i].index_id));
    }
    for (int i = 0; i < t->n_checks; i++)
        TRY(visit(ctx, &t->checks[i].id));
    for (int i = 0; i < t->n_foreign_keys; i++)
        TRY(visit(ctx, &t->foreign_keys[i].id));
    for (int i = 0; i < t->n_indexes; i++)
        TRY(visit(ctx, &t->indexes[i].id));
    return NULL;
}

static struct error *raise_highest(void *ctx, uint64_t *id)
{
    uint64_t *highest = ctx;
    *highest = MAX(*highest, *id);
    return NULL;
}

uint64_t table_highest_id(const struct table *t)
{
    uint64_t highest = t->id;
    error_free(table_each_id((struct table *)t, raise_highest, &highest));
    return highest;
}

/* ---- copies ------------------------------------------------------------------------------- */

static char *copy_text(struct arena *a, const char *s)
{
    return s ? arena_strdup(a, s) : NULL;
}

static void *copy_array(struct arena *a, const void *from, int n, size_t size)
{
    void *to = arena_alloc(a, (size_t)(n + 1) * size); /* room for one more */
    if (n && from)
        memcpy(to, from, (size_t)n * size);
    return to;
}
#define COPY_ARRAY(field, n) ((field) = copy_array(a, (field), (n), sizeof(*(field))))

static void copy_parts(struct table *t, struct arena *a)
{
    for (int i = 0; i < t->n_columns; i++) {
        t->columns[i].name = copy_text(a, t->columns[i].name);
        t->columns[i].default_sql = copy_text(a, t->columns[i].default_sql);
        t->columns[i].added = copy_text(a, t->columns[i].added);
        t->columns[i].comment = copy_text(a, t->columns[i].comment);
    }
    for (int i = 0; i < t->n_keys; i++) {
        t->keys[i].name = copy_text(a, t->keys[i].name);
        t->keys[i].comment = copy_text(a, t->keys[i].comment);
        t->keys[i].index_comment = copy_text(a, t->keys[i].index_comment);
        t->keys[i].options = copy_text(a, t->keys[i].options);
        COPY_ARRAY(t->keys[i].columns, t->keys[i].n_columns);
    }
    for (int i = 0; i < t->n_checks; i++) {
        t->checks[i].name = copy_text(a, t->checks[i].name);
        t->checks[i].comment = copy_text(a, t->checks[i].comment);
        t->checks[i].sql = copy_text(a, t->checks[i].sql);
    }
    for (int i = 0; i < t->n_foreign_keys; i++) {
        struct foreign_key *f = &t->foreign_keys[i];
        f->name = copy_text(a, f->name);
        f->comment = copy_text(a, f->comment);
        COPY_ARRAY(f->columns, f->n_columns);
        COPY_ARRAY(f->ref_columns, f->n_columns);
        COPY_ARRAY(f->set_columns, f->n_set);
    }
    for (int i = 0; i < t->n_indexes; i++) {
        struct index *x = &t->indexes[i];
        x->name = copy_text(a, x->name);
        x->ddl = copy_text(a, x->ddl);
        x->where_sql = copy_text(a, x->where_sql);
        x->file_name = copy_text(a, x->file_name);
        x->comment = copy_text(a, x->comment);
        x->options = copy_text(a, x->options);
        COPY_ARRAY(x->columns, x->n_columns);
        COPY_ARRAY(x->descending, x->n_columns);
        if (x->nulls_first)
            COPY_ARRAY(x->nulls_first, x->n_columns);
        if (x->classes)
            COPY_ARRAY(x->classes, x->n_columns);
        COPY_ARRAY(x->included, x->n_included);
        COPY_ARRAY(x->expressions, x->n_expressions);
        for (int k = 0; k < x->n_expressions; k++) {
            x->expressions[k].name = copy_text(a, x->expressions[k].name);
            x->expressions[k].sql = copy_text(a, x->expressions[k].sql);
        }
    }
}

struct table *table_copy(const struct table *from, struct arena *a)
{
    struct table *t = ARENA_NEW(a, struct table);
    *t = *from;
    t->schema = copy_text(a, t->schema);
    t->name = copy_text(a, t->name);
    t->ddl = copy_text(a, t->ddl);
    t->triggers = copy_text(a, t->triggers);
    t->file_name = copy_text(a, t->file_name);
    t->comment = copy_text(a, t->comment);
    t->options = copy_text(a, t->options);
    if (t->query)
        t->query = object_copy(t->query, a);
    COPY_ARRAY(t->columns, t->n_columns);
    COPY_ARRAY(t->keys, t->n_keys);
    COPY_ARRAY(t->checks, t->n_checks);
    COPY_ARRAY(t->foreign_keys, t->n_foreign_keys);
    COPY_ARRAY(t->indexes, t->n_indexes);
    COPY_ARRAY(t->owned, t->n_owned);
    copy_parts(t, a);
    return t;
}

struct object *object_copy(const struct object *from, struct arena *a)
{
    struct object *o = ARENA_NEW(a, struct object);
    *o = *from;
    o->schema = copy_text(a, o->schema);
    o->name = copy_text(a, o->name);
    o->sql = copy_text(a, o->sql);
    o->search_path = copy_text(a, o->search_path);
    o->comment = copy_text(a, o->comment);
    COPY_ARRAY(o->uses, o->n_uses);
    for (int i = 0; i < o->n_uses; i++)
        COPY_ARRAY(o->uses[i].columns, o->uses[i].n_columns);
    COPY_ARRAY(o->labels, o->n_labels);
    for (int i = 0; i < o->n_labels; i++)
        o->labels[i].name = copy_text(a, o->labels[i].name);
    if (o->relation)
        o->relation = table_copy(o->relation, a);
    if (o->domain)
        o->domain = table_copy(o->domain, a);
    if (o->attributes)
        o->attributes = table_copy(o->attributes, a);
    return o;
}

struct region *region_copy(const struct region *from, struct arena *a)
{
    struct region *r = ARENA_NEW(a, struct region);
    *r = *from;
    r->primary = copy_text(a, r->primary);
    r->leaving = copy_text(a, r->leaving);
    r->provisional = copy_text(a, r->provisional);
    for (int i = 0; i < r->n_backups; i++)
        r->backups[i] = copy_text(a, r->backups[i]);
    for (int i = 0; i < r->n_learners; i++)
        r->learners[i] = copy_text(a, r->learners[i]);
    for (int i = 0; i < r->n_former; i++)
        r->former[i] = copy_text(a, r->former[i]);
    return r;
}
