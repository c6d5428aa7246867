/*
 * Drafts: what a transaction has done to the schema and nobody else sees yet.
 *
 * A draft is a catalog of one session's own. Its view is the shared catalog's with the draft's
 * changes applied, by the code that applies what the store's watch tells: so whatever kind of
 * record is changed, it shows. Whoever changes a catalog (change.c) does not know which kind he
 * has; here a change ends in the list instead of the store.
 *
 *   draft        base's view + ops, in order; compares: what has to hold in the store for all of it
 *   --undo-->    the lists cut back to a mark (ROLLBACK TO)
 *   --rebase-->  the same ops on a newer view of base
 *   --text-->    to the server that runs the transaction, then to the master, then into the store
 *                (changing.c), where the ops become records
 *
 * Regions' records are not among the ops, since others change them all the time; which regions a
 * draft touches is listed instead, and the schema version that the files of those which the
 * transaction writes are to be at.
 *
 * Invariants:
 *  1. A draft's view has a schema number that no other view ever had: plans made on it fit it
 * alone.
 *  2. A compare on what the draft itself has written is none of the store's business and left out.
 */
#include "catalog/catalog_int.h"

#define STAMP (UINT64_C(1) << 62) /* above all revisions of the store */

static atomic_uint_fast64_t stamps;

static uint64_t new_stamp(void)
{
    return STAMP | atomic_fetch_add(&stamps, 1);
}

/* ---- the lists ---------------------------------------------------------------------------- */

static bool is_region(const char *key)
{
    return strncmp(key, KEY_REGIONS, strlen(KEY_REGIONS)) == 0;
}

static void learn_keys(struct drafted *d)
{
    map_done(&d->keys);
    d->keys = (struct map){0};
    for (size_t i = 0; i < d->mark.n_ops; i++)
        map_put_str(&d->keys, d->ops[i].key, d);
    for (size_t i = 0; i < d->mark.n_compares; i++)
        map_put_str(&d->keys, d->compares[i].key, d);
}

static void add_compare(struct drafted *d, const struct coord_compare *c)
{
    size_t n = d->mark.n_compares;
    if (n == d->cap_compares) {
        d->cap_compares = MAX((size_t)32, n * 2);
        d->compares = mem_realloc(d->compares, d->cap_compares * sizeof(*d->compares));
    }
    d->compares[n] = *c;
    d->compares[n].key = arena_strdup(&d->arena, c->key);
    map_put_str(&d->keys, c->key, d);
    d->mark.n_compares++;
}

static void add_op(struct drafted *d, const struct coord_op *o)
{
    size_t n = d->mark.n_ops;
    if (n == d->cap_ops) {
        d->cap_ops = MAX((size_t)32, n * 2);
        d->ops = mem_realloc(d->ops, d->cap_ops * sizeof(*d->ops));
    }
    d->ops[n] =
        (struct coord_op){.kind = o->kind,
                          .key = arena_strdup(&d->arena, o->key),
                          .value = arena_strndup(&d->arena, o->value ? o->value : "", o->value_len),
                          .value_len = o->value_len};
    map_put_str(&d->keys, o->key, d);
    d->mark.n_ops++;
}

static bool touch_region(struct drafted *d, uint64_t id)
{
    struct catalog_draft_mark *m = &d->mark;
    for (int i = 0; i < m->n_regions; i++)
        if (m->regions[i] == id)
            return true;
    if (m->n_regions == CATALOG_DRAFT_REGIONS)
        return false;
    m->regions[m->n_regions++] = id;
    return true;
}

/* ---- the view ----------------------------------------------------------------------------- */

static struct coord_event as_event(const struct coord_op *o, uint64_t revision)
{
    return (struct coord_event){.deleted = o->kind == COORD_DELETE,
                                .kv = {.key = (char *)(uintptr_t)o->key,
                                       .value = (char *)(uintptr_t)o->value,
                                       .value_len = o->value_len,
                                       .create_revision = revision,
                                       .mod_revision = revision}};
}

uint64_t catalog__draft_version(const struct drafted *d, const struct region *before)
{
    return MAX(d->version, before->schema_version + 1);
}

/* Above that of any region which it touches: so it is the same wherever the draft goes from here,
 * whatever is known there of regions that others change. */
static void raise_version(struct drafted *d)
{
    for (int i = 0; i < d->mark.n_regions && !d->told; i++) {
        const struct region *r = catalog_region(d->base_view, d->mark.regions[i]);
        if (r)
            d->version = catalog__draft_version(d, r);
    }
}

/* The region's record as the transaction is to see it; false: there is none. */
static bool region_event(const struct drafted *d, const struct catalog_view *base, uint64_t id,
                         struct arena *a, struct coord_event *ret)
{
    const struct region *r = catalog_region(base, id);
    if (!r)
        return false;
    struct region *next = region_copy(r, a);
    next->schema_version = catalog__draft_version(d, r);
    next->provisional = NULL;
    char *text;
    struct error *e = catalog__encode_region(next, &text);
    if (e) { /* it was decoded from a text: impossible */
        error_free(e);
        return false;
    }
    const struct coord_op put = {.kind = COORD_PUT,
                                 .key = catalog__id_key(KEY_REGIONS, id),
                                 .value = text,
                                 .value_len = strlen(text)};
    struct coord_op kept = put;
    kept.key = arena_strdup(a, put.key);
    kept.value = arena_strdup(a, text);
    mem_free((char *)(uintptr_t)put.key);
    mem_free(text);
    *ret = as_event(&kept, r->revision);
    return true;
}

/* The ops from one on, over a view that shows those before it. */
static void show_since(struct catalog *c, const struct view *before, size_t from)
{
    struct drafted *d = c->drafted;
    _cleanup_(arena_done) struct arena a = {0};
    size_t n = 0;
    struct coord_event *events =
        ARENA_ARRAY(&a, struct coord_event, d->mark.n_ops - from + CATALOG_DRAFT_REGIONS + 1);
    uint64_t stamp = new_stamp();
    raise_version(d);
    for (size_t i = from; i < d->mark.n_ops; i++)
        events[n++] = as_event(&d->ops[i], stamp);
    for (int i = 0; i < d->mark.n_regions; i++)
        n += region_event(d, d->base_view, d->mark.regions[i], &a, &events[n]);
    struct view *v = catalog__view_apply(before, d->base_view->revision, events, n);
    v->pub.schema = stamp;
    catalog__publish(c, v);
}

static void show(struct catalog *c)
{
    show_since(c, (const struct view *)c->drafted->base_view, 0);
}

void catalog_draft_rebase(struct catalog *c)
{
    struct drafted *d = c->drafted;
    const struct catalog_view *fresh = catalog_view(d->base);
    bool same = fresh == d->base_view;
    catalog_unref(same ? fresh : d->base_view);
    d->base_view = fresh;
    if (!same)
        show(c);
}

/* ---- changing it -------------------------------------------------------------------------- */

struct error *catalog__draft_add(struct catalog *c, const struct coord_compare *compares,
                                 size_t n_compares, const struct coord_op *ops, size_t n_ops)
{
    struct drafted *d = c->drafted;
    const struct catalog_draft_mark before = d->mark;
    for (size_t i = 0; i < n_compares; i++)
        if (!is_region(compares[i].key) && !map_get_str(&d->keys, compares[i].key))
            add_compare(d, &compares[i]);
    struct error *e = NULL;
    for (size_t i = 0; i < n_ops && !e; i++) {
        uint64_t id;
        if (!is_region(ops[i].key))
            add_op(d, &ops[i]);
        else if (!catalog__key_id(ops[i].key, KEY_REGIONS, &id) || !touch_region(d, id))
            e = error_hint(error_new(E_UNSUPPORTED,
                                     "a transaction cannot change tables of more than %d regions",
                                     CATALOG_DRAFT_REGIONS),
                           "Commit in between.");
    }
    if (e) {
        d->mark.n_compares = before.n_compares;
        learn_keys(d);
        return e;
    }
    d->version++;
    show_since(c, atomic_load(&c->current), before.n_ops);
    return NULL;
}

void catalog_draft_hold(struct catalog *c, uint64_t region)
{
    struct drafted *d = c->drafted;
    if (d->region == region)
        return;
    d->region = region;
    show(c); /* by a new number: whoever was told of the draft is told once more */
}

struct catalog_draft_mark catalog_draft_mark(const struct catalog *c)
{
    return c->drafted->mark;
}

void catalog_draft_undo(struct catalog *c, const struct catalog_draft_mark *mark)
{
    c->drafted->mark = *mark;
    learn_keys(c->drafted);
    show(c);
}

bool catalog_draft_is_empty(const struct catalog *c)
{
    return !c->drafted->mark.n_ops && !c->drafted->mark.n_regions;
}

bool catalog_sequence_is_drafted(const struct sequence *s)
{
    return (s->revision & STAMP) != 0;
}

/* Has the region a table that is to be made or changed there? Else all that happens to it is that
 * tables go. */
bool catalog_draft_builds(const struct catalog *c, uint64_t region)
{
    const struct drafted *d = c->drafted;
    const struct view *v = atomic_load(&c->current);
    for (size_t i = 0; i < v->pub.n_tables; i++) {
        const struct table *t = v->pub.tables[i];
        if (t->region == region && (catalog__record_of(t)->revision & STAMP))
            return true;
    }
    (void)d;
    return false;
}

/* ---- life --------------------------------------------------------------------------------- */

struct catalog *catalog_draft_new(struct catalog *base)
{
    struct catalog *c = catalog__new(base->coord);
    c->drafted = NEW(struct drafted);
    c->drafted->base = base;
    c->drafted->base_view = catalog_view(base);
    struct view *v = catalog__view_apply((const struct view *)c->drafted->base_view,
                                         c->drafted->base_view->revision, NULL, 0);
    atomic_store(&c->current, v);
    show(c);
    return c;
}

void catalog__drafted_free(struct drafted *d)
{
    if (!d)
        return;
    catalog_unref(d->base_view);
    mem_free(d->compares);
    mem_free(d->ops);
    map_done(&d->keys);
    arena_done(&d->arena);
    mem_free(d);
}

/* ---- text --------------------------------------------------------------------------------- */

/* The last one on each key. */
static json_t *ops_json(const struct drafted *d)
{
    json_t *list = json_array();
    struct map last = {0};
    for (size_t i = 0; i < d->mark.n_ops; i++)
        map_put_str(&last, d->ops[i].key, &d->ops[i]);
    for (size_t i = 0; i < d->mark.n_ops; i++) {
        const struct coord_op *o = &d->ops[i];
        if (map_get_str(&last, o->key) != o)
            continue;
        json_t *op = json_array();
        json_array_append_new(op, json_string(o->key));
        if (o->kind == COORD_PUT)
            json_array_append_new(op, json_stringn(o->value, o->value_len));
        json_array_append_new(list, op);
    }
    map_done(&last);
    return list;
}

static json_t *compares_json(const struct drafted *d)
{
    json_t *list = json_array();
    for (size_t i = 0; i < d->mark.n_compares; i++) {
        const struct coord_compare *c = &d->compares[i];
        json_t *compare = json_array();
        json_array_append_new(compare, json_integer(c->kind));
        json_array_append_new(compare, json_string(c->key));
        json_array_append_new(compare, json_integer((json_int_t)c->revision));
        json_array_append_new(list, compare);
    }
    return list;
}

/* With the version that a file in which it builds something was held at. */
static json_t *region_json(const struct catalog *c, uint64_t id)
{
    const struct region *r = catalog_region(c->drafted->base_view, id);
    uint64_t base = r && catalog_draft_builds(c, id) ? r->schema_version : 0;
    json_t *pair = json_array();
    json_array_append_new(pair, json_integer((json_int_t)id));
    json_array_append_new(pair, json_integer((json_int_t)base));
    return pair;
}

struct error *catalog_draft_text(const struct catalog *c, const struct catalog_request *request,
                                 char **ret)
{
    const struct drafted *d = c->drafted;
    const struct region *base = catalog_region(d->base_view, d->region);
    json_t *regions = json_array();
    for (int i = 0; i < d->mark.n_regions; i++)
        json_array_append_new(regions, region_json(c, d->mark.regions[i]));
    json_t *o = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "region", (json_int_t)d->region, "version",
        (json_int_t)d->version, "base", (json_int_t)(base ? base->schema_version : 0), "gateway",
        (json_int_t)(request ? request->gateway : 0), "slot",
        (json_int_t)(request ? request->slot : 0), "seq", (json_int_t)(request ? request->seq : 0),
        "regions", regions, "compares", compares_json(d), "ops", ops_json(d));
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!text)
        return error_new("22021", "a name or text in the schema is not UTF-8");
    *ret = mem_strdup(text);
    free(text);
    return NULL;
}

static struct error *damaged(void)
{
    return error_new(E_DAMAGED, "a pending change of the schema makes no sense");
}

static bool read_op(struct drafted *d, json_t *j)
{
    const char *key = json_string_value(json_array_get(j, 0));
    json_t *value = json_array_get(j, 1);
    if (!key || strncmp(key, KEY_ROOT, strlen(KEY_ROOT)) != 0 || is_region(key) ||
        (value && !json_is_string(value)))
        return false;
    const struct coord_op o = {.kind = value ? COORD_PUT : COORD_DELETE,
                               .key = key,
                               .value = value ? json_string_value(value) : "",
                               .value_len = value ? json_string_length(value) : 0};
    add_op(d, &o);
    return true;
}

static bool read_compare(struct drafted *d, json_t *j)
{
    const char *key = json_string_value(json_array_get(j, 1));
    json_int_t kind = json_integer_value(json_array_get(j, 0));
    if (!key || kind < COORD_ABSENT || kind > COORD_CREATED)
        return false;
    const struct coord_compare c = {.kind = (enum coord_compare_kind)kind,
                                    .key = key,
                                    .revision = (uint64_t)json_integer_value(json_array_get(j, 2))};
    add_compare(d, &c);
    return true;
}

static bool read_region(struct drafted *d, json_t *j)
{
    if (!touch_region(d, (uint64_t)json_integer_value(json_array_get(j, 0))))
        return false;
    uint64_t base = (uint64_t)json_integer_value(json_array_get(j, 1));
    d->told_bases[d->mark.n_regions - 1] = base;
    return true;
}

static bool read_all(struct drafted *d, json_t *o, struct catalog_request *request)
{
    size_t i;
    json_t *item;
    bool good = json_is_object(o);
    d->told = true;
    d->region = (uint64_t)json_integer_value(json_object_get(o, "region"));
    d->version = (uint64_t)json_integer_value(json_object_get(o, "version"));
    d->told_base = (uint64_t)json_integer_value(json_object_get(o, "base"));
    request->gateway = (uint64_t)json_integer_value(json_object_get(o, "gateway"));
    request->slot = (uint32_t)json_integer_value(json_object_get(o, "slot"));
    request->seq = (uint64_t)json_integer_value(json_object_get(o, "seq"));
    json_array_foreach(json_object_get(o, "regions"), i, item) good = good && read_region(d, item);
    json_array_foreach(json_object_get(o, "compares"), i, item) good =
        good && read_compare(d, item);
    json_array_foreach(json_object_get(o, "ops"), i, item) good = good && read_op(d, item);
    return good;
}

struct error *catalog_draft_read(struct catalog *c, const char *text, struct catalog_request *ret)
{
    struct drafted *d = c->drafted;
    struct catalog_request request = {0};
    json_t *o = json_loads(text, 0, NULL);
    d->mark = (struct catalog_draft_mark){0};
    learn_keys(d);
    arena_reset(&d->arena);
    bool good = read_all(d, o, &request);
    json_decref(o);
    if (!good) {
        d->mark = (struct catalog_draft_mark){0};
        return damaged();
    }
    if (ret)
        *ret = request;
    catalog_draft_rebase(c);
    show(c);
    return NULL;
}
