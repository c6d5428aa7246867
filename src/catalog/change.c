/*
 * Changes of the catalog: each is one transaction in the store (compare what it is based on, put
 * what it makes, and KEY_CHANGED), and returns when this server's view shows it.
 *
 * Schema changes are made by the elected master: its fence is among the compares. They are based on
 * a view; when the transaction's compares fail, the view was old: it is brought up to date and the
 * change is worked out again, until it succeeds or turns out to be impossible (a name is taken, a
 * table is gone). An outcome that is unknown is settled in the same way, since each change
 * recognises its own work.
 *
 * Region records are also changed by the regions' primaries and backups (catalog_swap_region). A
 * schema change that bumps a region's schema version compares its revision, too, so that neither
 * overwrites the other.
 */
#include "catalog/catalog_int.h"

enum { ID_BLOCK = 32 };

/* ---- a transaction in the making ---------------------------------------------------------- */

struct draft {
    struct arena arena; /* keys and values */
    size_t n_compares, n_ops;
    struct coord_compare compares[COORD_TXN_MAX_OPS];
    struct coord_op ops[COORD_TXN_MAX_OPS];
    bool full; /* more than fits */
};

static void draft_done(struct draft *d)
{
    arena_done(&d->arena);
}

static const char *keep(struct draft *d, char *s)
{
    const char *kept = arena_strdup(&d->arena, s);
    mem_free(s);
    return kept;
}

static void expect(struct draft *d, enum coord_compare_kind kind, const char *key,
                   uint64_t revision)
{
    if (d->n_compares + 2 >= COORD_TXN_MAX_OPS) { /* some are left for catalog__commit */
        d->full = true;
        return;
    }
    d->compares[d->n_compares++] = (struct coord_compare){kind, key, revision};
}

static void put(struct draft *d, const char *key, const char *value)
{
    if (d->n_ops + 1 >= COORD_TXN_MAX_OPS) { /* one is left for KEY_CHANGED */
        d->full = true;
        return;
    }
    d->ops[d->n_ops++] = (struct coord_op){
        .kind = COORD_PUT, .key = key, .value = value, .value_len = strlen(value)};
}

static void drop(struct draft *d, const char *key)
{
    put(d, key, "");
    if (!d->full)
        d->ops[d->n_ops - 1].kind = COORD_DELETE;
}

static const char *id_key(struct draft *d, const char *root, uint64_t id)
{
    return keep(d, catalog__id_key(root, id));
}

static const char *relation_key(struct draft *d, const char *root, const struct table *t,
                                const char *name)
{
    return keep(d, catalog__relation_key(root, t->database, t->schema, name));
}

static struct error *not_master(void)
{
    return error_hint(error_new(E_UNAVAILABLE, "this server is not the master any more"),
                      "Try again; another one takes over within seconds.");
}

struct error *catalog__commit(struct catalog *c, const struct coord_compare *compares,
                              size_t n_compares, const struct coord_op *ops, size_t n_ops,
                              enum catalog__when when, bool *ret_done)
{
    struct coord_compare all[COORD_TXN_MAX_OPS];
    struct coord_op with[COORD_TXN_MAX_OPS];
    struct coord_election *election = atomic_load(&c->election);
    if (n_compares)
        memcpy(all, compares, n_compares * sizeof(*all));
    if (n_ops)
        memcpy(with, ops, n_ops * sizeof(*with));
    if (election && !coord_election_fence(election, &all[n_compares++]))
        return not_master();
    if (when == COMMIT_WHEN_NONE)
        all[n_compares++] = (struct coord_compare){COORD_ABSENT, KEY_CHANGING, 0};
    with[n_ops++] = (struct coord_op){.kind = COORD_PUT, .key = KEY_CHANGED, .value = ""};
    uint64_t revision;
    struct error *e =
        coord_txn(c->coord, all, n_compares, with, n_ops, CALL_MS, ret_done, &revision);
    if (error_is(e, E_COORD_UNKNOWN)) {
        *ret_done = false;
        error_free(e);
        return NULL;
    }
    TRY(e);
    if (*ret_done) {
        catalog__wait(c, revision, CALL_MS);
        catalog__copy_flush(atomic_load(&c->copy));
    }
    return NULL;
}

/* Sends the draft. `*ret_done` false: a compare failed, or the outcome is unknown; look again. */
static struct error *commit(struct catalog *c, struct draft *d, bool *ret_done)
{
    if (d->full)
        return error_new("54000", "too many changes in one transaction of the catalog");
    if (!c->drafted)
        return catalog__commit(c, d->compares, d->n_compares, d->ops, d->n_ops, COMMIT_WHEN_NONE,
                               ret_done);
    *ret_done = true;
    return catalog__draft_add(c, d->compares, d->n_compares, d->ops, d->n_ops);
}

/* Works a change out (`make`) and commits it, anew with a fresher view until it is done. */
typedef struct error *make_fn(void *ctx, const struct catalog_view *v, struct draft *d,
                              bool *ret_done);

static struct error *attempt(struct catalog *c, make_fn *make, void *ctx, bool *ret_done)
{
    _cleanup_(draft_done) struct draft d = {0};
    const struct catalog_view *v = catalog_view(c);
    struct error *e = make(ctx, v, &d, ret_done);
    if (!e && !*ret_done)
        e = commit(c, &d, ret_done);
    catalog_unref(v);
    return e;
}

static struct error *change(struct catalog *c, make_fn *make, void *ctx)
{
    uint64_t deadline = clock_ms() + CHANGE_MS;
    for (unsigned i = 0;; i++) {
        bool done = false;
        struct error *e = attempt(c, make, ctx, &done);
        if (done || (e && (i || c->drafted)))
            return e;
        error_free(e); /* by a view that may be old */
        if (clock_ms() >= deadline)
            return error_hint(error_new(E_UNAVAILABLE, "the catalog could not be changed"),
                              "The coordination store answers slowly, or others keep changing the "
                              "same records; look whether it happened, then try again.");
        if (i)
            sleep_ms(MIN(i * 5, 100u));
        TRY(catalog_refresh(c, CALL_MS));
    }
}

static uint64_t revision_of(const void *payload)
{
    return catalog__record_of(payload)->revision;
}

static struct error *put_table(struct draft *d, const struct table *t)
{
    char *text;
    TRY(catalog__encode_table(t, &text));
    put(d, id_key(d, KEY_TABLES, t->id), keep(d, text));
    return NULL;
}

static struct error *put_region(struct draft *d, const struct region *r)
{
    char *text;
    TRY(catalog__encode_region(r, &text));
    put(d, id_key(d, KEY_REGIONS, r->id), keep(d, text));
    return NULL;
}

/* A change to one of its tables: raises the region's schema version. */
static struct error *bump_region(struct draft *d, const struct catalog_view *v, uint64_t id)
{
    const struct region *r = catalog_region(v, id);
    if (!r)
        return error_new(E_DAMAGED, "the catalog has no region %llu", (unsigned long long)id);
    struct region *next = region_copy(r, &d->arena);
    next->schema_version++;
    next->provisional = NULL;
    expect(d, COORD_UNMOVED, id_key(d, KEY_REGIONS, id), r->revision);
    return put_region(d, next);
}

/* ---- ids ---------------------------------------------------------------------------------- */

/* Takes ID_BLOCK of them: what a server does not use before it ends is no loss. */
static struct error *take_ids(struct catalog *c, bool *ret_done)
{
    struct coord_list l = {0};
    TRY(coord_get(c->coord, KEY_NEXT_ID, CALL_MS, &l));
    uint64_t revision = l.n ? l.kvs[0].mod_revision : 0;
    uint64_t id = l.n ? strtoull(l.kvs[0].value, NULL, 10) : 0;
    coord_list_done(&l);
    if (id == 0 || id >= INT64_MAX - ID_BLOCK)
        return error_hint(error_new(E_DAMAGED,
                                    "record \"%s\" in the coordination store makes no "
                                    "sense",
                                    KEY_NEXT_ID),
                          "It must hold a number above every id of a table or region.");
    _cleanup_(mem_freep) char *next = mem_printf("%llu", (unsigned long long)id + ID_BLOCK);
    struct coord_compare unmoved = {COORD_UNMOVED, KEY_NEXT_ID, revision};
    struct coord_op op = {
        .kind = COORD_PUT, .key = KEY_NEXT_ID, .value = next, .value_len = strlen(next)};
    struct error *e = coord_txn(c->coord, &unmoved, 1, &op, 1, CALL_MS, ret_done, NULL);
    if (error_is(e, E_COORD_UNKNOWN)) {
        *ret_done = false;
        error_free(e);
        return NULL;
    }
    if (!e && *ret_done) {
        c->next_id = id;
        c->end_id = id + ID_BLOCK;
    }
    return e;
}

struct error *catalog_next_id(struct catalog *c, uint64_t *ret)
{
    if (c->drafted)
        return catalog_next_id(c->drafted->base, ret);
    uint64_t deadline = clock_ms() + CHANGE_MS;
    struct error *e = NULL;
    pthread_mutex_lock(&c->numbering);
    for (bool done = false; !e && !done && c->next_id == c->end_id;) {
        e = take_ids(c, &done);
        if (!e && !done && clock_ms() >= deadline)
            e = error_new(E_UNAVAILABLE, "the coordination store gives out no ids");
    }
    if (!e)
        *ret = c->next_id++;
    pthread_mutex_unlock(&c->numbering);
    return e;
}

static struct error *give_id(void *ctx, uint64_t *id)
{
    return *id ? NULL : catalog_next_id(ctx, id);
}

/* A copy in which every part has its id. Made once, before the attempts: they recognise their work
 * by it. */
static struct error *number_parts(struct catalog *c, const struct table *t, struct arena *a,
                                  struct table **ret)
{
    *ret = table_copy(t, a);
    return table_each_id(*ret, give_id, c);
}

/* ---- drained servers ---------------------------------------------------------------------- */

/* The list with or without a name. */
static void list_names(const char *old, const char *name, bool with, struct buf *out)
{
    for (const char *p = old; p && *p;) {
        size_t n = strcspn(p, ",");
        if (n && (strncmp(p, name, n) != 0 || name[n]))
            buf_printf(out, "%s%.*s", out->len ? "," : "", (int)n, p);
        p += n + (p[n] == ',');
    }
    buf_printf(out, "%s%s", with && out->len ? "," : "", with ? name : "");
}

static struct error *set_drained(struct catalog *c, const char *server, bool drained,
                                 bool *ret_done)
{
    struct coord_list l = {0};
    TRY(coord_get(c->coord, KEY_DRAINED, CALL_MS, &l));
    _cleanup_(mem_freep) char *old = l.n ? mem_strndup(l.kvs[0].value, l.kvs[0].value_len) : NULL;
    uint64_t revision = l.n ? l.kvs[0].mod_revision : 0;
    coord_list_done(&l);
    _cleanup_(buf_done) struct buf next = {0};
    list_names(old, server, drained, &next);
    struct coord_compare same = {revision ? COORD_UNMOVED : COORD_ABSENT, KEY_DRAINED, revision};
    struct coord_op ops[2] = {{.kind = COORD_PUT,
                               .key = KEY_DRAINED,
                               .value = next.len ? next.data : "",
                               .value_len = next.len},
                              {.kind = COORD_PUT, .key = KEY_CHANGED, .value = ""}};
    struct error *e = coord_txn(c->coord, &same, 1, ops, 2, CALL_MS, ret_done, &revision);
    if (error_is(e, E_COORD_UNKNOWN)) { /* once more does no harm */
        *ret_done = false;
        error_free(e);
        return NULL;
    }
    TRY(e);
    if (*ret_done)
        catalog__wait(c, revision, CALL_MS);
    return NULL;
}

struct error *catalog_set_drained(struct catalog *c, const char *server, bool drained)
{
    uint64_t deadline = clock_ms() + CHANGE_MS;
    for (bool done = false; !done;) {
        TRY(set_drained(c, server, drained, &done));
        if (!done && clock_ms() >= deadline)
            return error_new(E_UNAVAILABLE, "the coordination store does not take the change");
    }
    return NULL;
}

/* ---- regions ------------------------------------------------------------------------------ */

/* After a swap without an answer: did it happen? 08007 when it has not, but still may. */
static struct error *settle(struct catalog *c, const char *key, const char *text, uint64_t expected,
                            struct error *unknown, bool *ret_swapped)
{
    struct coord_list l = {0};
    struct error *e = coord_get(c->coord, key, CALL_MS, &l);
    if (e) {
        error_free(e);
        return unknown;
    }
    uint64_t revision = l.n ? l.kvs[0].mod_revision : 0, now = l.revision;
    *ret_swapped = l.n && strcmp(l.kvs[0].value, text) == 0;
    coord_list_done(&l);
    if (revision == expected)
        return unknown;
    error_free(unknown);
    catalog__wait(c, MIN(revision, now), CALL_MS);
    return NULL;
}

/* One transaction for all of them. *ret_done false: somebody was first with one or another. */
static struct error *swap_all(struct catalog *c, struct region_swap *const *swaps, size_t n,
                              bool *ret_done)
{
    _cleanup_(draft_done) struct draft d = {0};
    for (size_t i = 0; i < n; i++) {
        const struct region *expected = swaps[i]->expected;
        expect(&d, COORD_UNMOVED, id_key(&d, KEY_REGIONS, expected->id), expected->revision);
        TRY(put_region(&d, swaps[i]->next));
    }
    d.ops[d.n_ops++] = (struct coord_op){.kind = COORD_PUT, .key = KEY_CHANGED, .value = ""};
    uint64_t revision;
    TRY(coord_txn(c->coord, d.compares, d.n_compares, d.ops, d.n_ops, CALL_MS, ret_done,
                  &revision));
    if (*ret_done)
        catalog__wait(c, revision, CALL_MS);
    else /* who was first is news to us */
        error_free(catalog_refresh(c, CALL_MS));
    return NULL;
}

static struct error *settle_one(struct catalog *c, struct region_swap *s,
                                const struct error *unknown)
{
    _cleanup_(mem_freep) char *key = catalog__id_key(KEY_REGIONS, s->expected->id);
    _cleanup_(mem_freep) char *text = NULL;
    TRY(catalog__encode_region(s->next, &text));
    return settle(c, key, text, s->expected->revision, error_copy(unknown), &s->swapped);
}

/* Those that may yet succeed, by the present view; how many are left. */
static size_t still_possible(struct catalog *c, struct region_swap **swaps, size_t n)
{
    const struct catalog_view *v = catalog_view(c);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        const struct region *now = catalog_region(v, swaps[i]->expected->id);
        if (now && now->revision == swaps[i]->expected->revision)
            swaps[kept++] = swaps[i];
    }
    catalog_unref(v);
    return kept;
}

static void swap_part(struct catalog *c, struct region_swap **left, size_t n)
{
    while (n) {
        bool done = false;
        struct error *e = swap_all(c, left, n, &done);
        for (size_t i = 0; i < n && (e || done); i++) {
            left[i]->swapped = done;
            if (error_is(e, E_COORD_UNKNOWN))
                left[i]->error = settle_one(c, left[i], e);
            else if (e)
                left[i]->error = error_copy(e);
        }
        size_t possible = e || done ? 0 : still_possible(c, left, n);
        error_free(e);
        if (possible == n) { /* the store says no, the view doesn't know why: each for itself */
            for (size_t i = 0; i < n && n > 1; i++)
                swap_part(c, &left[i], 1);
            return;
        }
        n = possible;
    }
}

void catalog_swap_regions(struct catalog *c, struct region_swap *swaps, size_t n)
{
    struct region_swap *part[CATALOG_SWAPS];
    for (size_t at = 0, k; at < n; at += k) {
        for (k = 0; k < CATALOG_SWAPS && at + k < n; k++)
            part[k] = &swaps[at + k];
        swap_part(c, part, k);
    }
}

struct error *catalog_swap_region(struct catalog *c, const struct region *expected,
                                  const struct region *next, bool *ret_swapped)
{
    struct region_swap s = {.expected = expected, .next = next};
    catalog_swap_regions(c, &s, 1);
    if (!s.error)
        *ret_swapped = s.swapped;
    return s.error;
}

/* ---- creating ----------------------------------------------------------------------------- */

struct creation {
    const struct sequence *sequences; /* table->n_owned */
    const struct table *table;
    const struct region *region; /* NULL: joins one */
};

static struct error *name_taken(const char *name)
{
    return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists", name);
}

/* No table, index or sequence of that name may exist; they share one space of names. */
static struct error *claim_name(struct draft *d, const struct catalog_view *v,
                                const struct table *t, const char *name)
{
    v = catalog_of_database(v, t->database);
    if (catalog_table(v, t->schema, name) || catalog_index(v, t->schema, name, NULL) ||
        catalog_sequence(v, t->schema, name))
        return name_taken(name);
    expect(d, COORD_ABSENT, relation_key(d, KEY_NAMES, t, name), 0);
    expect(d, COORD_ABSENT, relation_key(d, KEY_INDEXES, t, name), 0);
    return NULL;
}

static void put_index(struct draft *d, const struct table *t, const struct index *x)
{
    put(d, relation_key(d, KEY_INDEXES, t, x->name),
        keep(d, catalog_index_text(t->id, x->n_columns)));
}

static struct error *put_sequence(struct draft *d, const struct sequence *s)
{
    char *text;
    TRY(catalog__encode_sequence(s, &text));
    put(d, id_key(d, KEY_SEQUENCES, s->id), keep(d, text));
    return NULL;
}

/* The namespace that it is in, as a table would be. */
static struct table place_of(const struct sequence *s)
{
    return (struct table){.database = s->database, .schema = s->schema};
}

static struct error *make_sequence(struct draft *d, const struct catalog_view *v,
                                   const struct sequence *s)
{
    const struct table at = place_of(s);
    TRY(claim_name(d, v, &at, s->name));
    expect(d, COORD_ABSENT, id_key(d, KEY_SEQUENCES, s->id), 0);
    put(d, relation_key(d, KEY_NAMES, &at, s->name),
        arena_printf(&d->arena, "%llu", (unsigned long long)s->id));
    return put_sequence(d, s);
}

/* Blocks of values that are taken meanwhile are no reason to look again: only the name counts. */
static void drop_sequence(struct draft *d, const struct sequence *s)
{
    const struct table at = place_of(s);
    drop(d, id_key(d, KEY_SEQUENCES, s->id));
    drop(d, relation_key(d, KEY_NAMES, &at, s->name));
}

static struct error *place_in_region(struct creation *n, const struct catalog_view *v,
                                     struct draft *d)
{
    if (!n->region) {
        if (!catalog_region(v, n->table->region))
            return error_hint(error_new(E_UNDEFINED_TABLE,
                                        "the table that \"%s\" belongs with "
                                        "was dropped",
                                        n->table->name),
                              "Create that one first.");
        return bump_region(d, v, n->table->region);
    }
    expect(d, COORD_ABSENT, id_key(d, KEY_REGIONS, n->region->id), 0);
    return put_region(d, n->region);
}

static struct error *make_table(void *ctx, const struct catalog_view *v, struct draft *d,
                                bool *ret_done)
{
    struct creation *n = ctx;
    const struct table *t = n->table;
    if (catalog_table_by_id(v, t->id)) { /* ids are unique: an earlier attempt of ours */
        *ret_done = true;
        return NULL;
    }
    TRY(claim_name(d, v, t, t->name));
    expect(d, COORD_ABSENT, id_key(d, KEY_TABLES, t->id), 0);
    const char *id = arena_printf(&d->arena, "%llu", (unsigned long long)t->id);
    put(d, relation_key(d, KEY_NAMES, t, t->name), id);
    for (int i = 0; i < t->n_indexes; i++) {
        TRY(claim_name(d, v, t, t->indexes[i].name));
        put_index(d, t, &t->indexes[i]);
    }
    for (int i = 0; i < t->n_owned; i++)
        TRY(make_sequence(d, v, &n->sequences[i]));
    TRY(put_table(d, t));
    return place_in_region(n, v, d);
}

struct error *catalog_create_table(struct catalog *c, const struct table *t,
                                   const struct region *region)
{
    return catalog_create_table_with(c, t, region, NULL);
}

struct error *catalog_create_table_with(struct catalog *c, const struct table *t,
                                        const struct region *region,
                                        const struct sequence *sequences)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct table *numbered;
    TRY(number_parts(c, t, &a, &numbered));
    struct creation n = {sequences, numbered, region};
    return change(c, make_table, &n);
}

static struct error *make_region(void *ctx, const struct catalog_view *v, struct draft *d,
                                 bool *ret_done)
{
    const struct region *r = ctx;
    if (catalog_region(v, r->id)) {
        *ret_done = true;
        return NULL;
    }
    expect(d, COORD_ABSENT, id_key(d, KEY_REGIONS, r->id), 0);
    return put_region(d, r);
}

struct error *catalog_create_region(struct catalog *c, const struct region *r)
{
    return change(c, make_region, (struct region *)(uintptr_t)r);
}

static struct error *make_region_gone(void *ctx, const struct catalog_view *v, struct draft *d,
                                      bool *ret_done)
{
    const uint64_t *id = ctx;
    const struct region *r = catalog_region(v, *id);
    *ret_done = !r || !r->provisional;
    for (size_t i = 0; i < v->n_tables; i++)
        *ret_done |= v->tables[i]->region == *id;
    if (*ret_done)
        return NULL;
    const char *key = id_key(d, KEY_REGIONS, *id);
    expect(d, COORD_UNMOVED, key, r->revision);
    drop(d, key);
    return NULL;
}

struct error *catalog_drop_region(struct catalog *c, uint64_t id)
{
    return change(c, make_region_gone, &id);
}

/* ---- dropping ----------------------------------------------------------------------------- */

/* Tables of one region, all of them in `ids`. */
struct removal {
    const uint64_t *ids;
    size_t n;
    uint64_t region;
    bool tried; /* then a table that is gone may be our own work */
};

static bool listed(const uint64_t *ids, size_t n, uint64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static struct error *no_table(uint64_t id)
{
    return error_new(E_UNDEFINED_TABLE, "table %llu does not exist", (unsigned long long)id);
}

static void drop_table(struct draft *d, const struct catalog_view *v, const struct table *t)
{
    const char *key = id_key(d, KEY_TABLES, t->id);
    expect(d, COORD_UNMOVED, key, revision_of(t));
    drop(d, key);
    drop(d, relation_key(d, KEY_NAMES, t, t->name));
    for (int i = 0; i < t->n_indexes; i++)
        drop(d, relation_key(d, KEY_INDEXES, t, t->indexes[i].name));
    for (int i = 0; i < t->n_owned; i++) {
        const struct sequence *s = catalog_sequence_by_id(v, t->owned[i].sequence);
        if (s)
            drop_sequence(d, s);
    }
}

static bool region_keeps_tables(const struct catalog_view *v, const struct removal *m)
{
    for (size_t i = 0; i < v->n_tables; i++)
        if (v->tables[i]->region == m->region && !listed(m->ids, m->n, v->tables[i]->id))
            return true;
    return false;
}

static struct error *make_removal(void *ctx, const struct catalog_view *v, struct draft *d,
                                  bool *ret_done)
{
    struct removal *m = ctx;
    size_t gone = 0;
    for (size_t i = 0; i < m->n; i++) {
        const struct table *t = catalog_table_by_id(v, m->ids[i]);
        if (t && t->region == m->region)
            drop_table(d, v, t);
        else if (!t && !m->tried)
            return no_table(m->ids[i]);
        else
            gone++;
    }
    m->tried = true;
    if (gone == m->n) {
        *ret_done = true;
        return NULL;
    }
    if (region_keeps_tables(v, m))
        return bump_region(d, v, m->region);
    const struct region *r = catalog_region(v, m->region);
    const char *key = id_key(d, KEY_REGIONS, m->region);
    expect(d, COORD_UNMOVED, key, r ? r->revision : 0);
    drop(d, key);
    return NULL;
}

/* The ids among `left` that lie in the region of the first, as many as one transaction takes; they
 * are moved to `ret`. Young tables go first, since they may reference older ones. */
static size_t take_group(const struct catalog_view *v, uint64_t *left, size_t *n_left,
                         uint64_t *ret, uint64_t *ret_region)
{
    const struct table *first = catalog_table_by_id(v, left[0]);
    size_t n = 0, kept = 0, ops = 2;
    for (size_t i = 0; i < *n_left; i++) {
        const struct table *t = catalog_table_by_id(v, left[i]);
        size_t more = t ? 2 + (size_t)t->n_indexes + 2 * (size_t)t->n_owned : 1;
        if (i == 0 ||
            (first && t && t->region == first->region && ops + more < COORD_TXN_MAX_OPS)) {
            ret[n++] = left[i];
            ops += more;
        } else {
            left[kept++] = left[i];
        }
    }
    *n_left = kept;
    *ret_region = first ? first->region : 0;
    return n;
}

static int younger(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x < *y) - (*x > *y);
}

struct error *catalog_drop_tables(struct catalog *c, const uint64_t *ids, size_t n)
{
    TRY(catalog_refresh(c, CALL_MS));
    const struct catalog_view *v = catalog_view(c);
    _cleanup_(arena_done) struct arena a = {0};
    uint64_t *left = ARENA_ARRAY(&a, uint64_t, n + 1), *group = ARENA_ARRAY(&a, uint64_t, n + 1);
    struct error *e = NULL;
    for (size_t i = 0; i < n && !e; i++) {
        left[i] = ids[i];
        if (!catalog_table_by_id(v, ids[i]))
            e = no_table(ids[i]);
    }
    if (n)
        qsort(left, n, sizeof(*left), younger);
    while (n > 0 && !e) {
        struct removal m = {.ids = group};
        m.n = take_group(v, left, &n, group, &m.region);
        e = change(c, make_removal, &m);
    }
    catalog_unref(v);
    return e;
}

/* ---- replacing ---------------------------------------------------------------------------- */

struct replacement {
    const struct table *old, *next;
};

static bool has_index(const struct table *t, const char *name)
{
    for (int i = 0; i < t->n_indexes; i++)
        if (strcmp(t->indexes[i].name, name) == 0)
            return true;
    return false;
}

static bool same_record(const struct table *a, const struct table *b)
{
    char *x = NULL, *y = NULL;
    struct error *e = catalog__encode_table(a, &x);
    if (!e)
        e = catalog__encode_table(b, &y);
    bool same = !e && strcmp(x, y) == 0;
    error_free(e);
    mem_free(x);
    mem_free(y);
    return same;
}

static struct table *without_comments(const struct table *t, uint64_t version, struct arena *a)
{
    struct table *bare = table_copy(t, a);
    bare->version = version;
    bare->comment = NULL;
    for (int i = 0; i < t->n_columns; i++)
        bare->columns[i].comment = NULL;
    for (int i = 0; i < t->n_keys; i++)
        bare->keys[i].comment = bare->keys[i].index_comment = NULL;
    for (int i = 0; i < t->n_checks; i++)
        bare->checks[i].comment = NULL;
    for (int i = 0; i < t->n_foreign_keys; i++)
        bare->foreign_keys[i].comment = NULL;
    for (int i = 0; i < t->n_indexes; i++)
        bare->indexes[i].comment = NULL;
    return bare;
}

/* Then it is no business of the region's: a transaction may comment on tables of many. */
static bool same_but_comments(const struct table *a, const struct table *b, struct arena *arena)
{
    return same_record(without_comments(a, 1, arena), without_comments(b, 1, arena));
}

static struct error *make_replacement(void *ctx, const struct catalog_view *v, struct draft *d,
                                      bool *ret_done)
{
    struct replacement *r = ctx;
    const struct table *now = catalog_table_by_id(v, r->old->id);
    if (!now)
        return error_new(E_UNDEFINED_TABLE, "relation \"%s\" does not exist", r->old->name);
    struct table *next = table_copy(r->next, &d->arena);
    next->version = r->old->version + 1;
    if (now->version != r->old->version) {
        *ret_done = same_record(now, next);
        return *ret_done ? NULL
                         : error_hint(error_new(E_STALE_SCHEMA,
                                                "table \"%s\" was changed by somebody else",
                                                r->old->name),
                                      "Try again.");
    }
    expect(d, COORD_UNMOVED, id_key(d, KEY_TABLES, now->id), revision_of(now));
    TRY(put_table(d, next));
    bool moved = strcmp(now->schema, next->schema) != 0;
    if (moved || strcmp(now->name, next->name) != 0) {
        TRY(claim_name(d, v, next, next->name));
        drop(d, relation_key(d, KEY_NAMES, now, now->name));
        put(d, relation_key(d, KEY_NAMES, next, next->name),
            arena_printf(&d->arena, "%llu", (unsigned long long)next->id));
    }
    for (int i = 0; i < next->n_indexes; i++) {
        if (!moved && has_index(now, next->indexes[i].name))
            continue;
        TRY(claim_name(d, v, next, next->indexes[i].name));
        put_index(d, next, &next->indexes[i]);
    }
    for (int i = 0; i < now->n_indexes; i++)
        if (moved || !has_index(next, now->indexes[i].name))
            drop(d, relation_key(d, KEY_INDEXES, now, now->indexes[i].name));
    return same_but_comments(now, next, &d->arena) ? NULL : bump_region(d, v, now->region);
}

struct error *catalog_replace_table(struct catalog *c, const struct table *old,
                                    const struct table *next)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct table *numbered;
    TRY(number_parts(c, next, &a, &numbered));
    struct replacement r = {.old = old, .next = numbered};
    return change(c, make_replacement, &r);
}

/* ---- objects ------------------------------------------------------------------------------ */

struct object_changes {
    const struct object_change *changes;
    size_t n;
    const uint64_t *moves;
    size_t n_moves;
    const char *schema;
};

static struct error *changed_meanwhile(const char *name)
{
    return error_hint(error_new(E_STALE_SCHEMA, "\"%s\" was changed by somebody else", name),
                      "Try again.");
}

static bool same_object(const struct object *a, const struct object *b)
{
    char *x = NULL, *y = NULL;
    struct error *e = catalog__encode_object(a, &x);
    if (!e)
        e = catalog__encode_object(b, &y);
    bool same = !e && strcmp(x, y) == 0;
    error_free(e);
    mem_free(x);
    mem_free(y);
    return same;
}

/* *ret_done: it is so already, by an earlier attempt of ours. */
static struct error *change_object(struct draft *d, const struct catalog_view *v,
                                   const struct object_change *c, bool *ret_done)
{
    uint64_t id = c->next ? c->next->id : c->old->id;
    const struct object *now = catalog_object_by_id(v->all, id);
    const char *key = id_key(d, KEY_OBJECTS, id);
    *ret_done = c->next ? now && same_object(now, c->next) : !now;
    if (*ret_done)
        return NULL;
    if (!now != !c->old || (now && now->version != c->old->version))
        return changed_meanwhile((c->next ? c->next : c->old)->name);
    expect(d, now ? COORD_UNMOVED : COORD_ABSENT, key, now ? revision_of(now) : 0);
    if (!c->next) {
        drop(d, key);
        return NULL;
    }
    char *text;
    TRY(catalog__encode_object(c->next, &text));
    put(d, key, keep(d, text));
    return NULL;
}

/* The table, with its name and its indexes', in another schema. */
static struct error *move_table(struct draft *d, const struct catalog_view *v, uint64_t id,
                                const char *schema)
{
    const struct table *now = catalog_table_by_id(v->all, id);
    if (!now)
        return no_table(id);
    if (strcmp(now->schema, schema) == 0)
        return NULL;
    struct table *next = table_copy(now, &d->arena);
    next->schema = arena_strdup(&d->arena, schema);
    next->version++;
    expect(d, COORD_UNMOVED, id_key(d, KEY_TABLES, id), revision_of(now));
    TRY(put_table(d, next));
    drop(d, relation_key(d, KEY_NAMES, now, now->name));
    put(d, relation_key(d, KEY_NAMES, next, next->name),
        arena_printf(&d->arena, "%llu", (unsigned long long)id));
    for (int i = 0; i < now->n_indexes; i++) {
        drop(d, relation_key(d, KEY_INDEXES, now, now->indexes[i].name));
        put_index(d, next, &next->indexes[i]);
    }
    return NULL;
}

/* The region of table i, unless an earlier one lies there, too. */
static struct error *bump_once(struct draft *d, const struct catalog_view *v, const uint64_t *ids,
                               size_t i)
{
    uint64_t region = catalog_table_by_id(v->all, ids[i])->region;
    for (size_t k = 0; k < i; k++)
        if (catalog_table_by_id(v->all, ids[k])->region == region)
            return NULL;
    return bump_region(d, v, region);
}

static struct error *make_objects(void *ctx, const struct catalog_view *v, struct draft *d,
                                  bool *ret_done)
{
    const struct object_changes *m = ctx;
    size_t done = 0;
    for (size_t i = 0; i < m->n; i++) {
        bool one;
        TRY(change_object(d, v, &m->changes[i], &one));
        done += one;
    }
    if (m->n && done == m->n && d->n_ops == 0) {
        *ret_done = true;
        return NULL;
    }
    for (size_t i = 0; i < m->n_moves; i++) {
        if (m->schema)
            TRY(move_table(d, v, m->moves[i], m->schema));
        TRY(bump_once(d, v, m->moves, i));
    }
    return NULL;
}

struct error *catalog_change_objects(struct catalog *c, const struct object_change *changes,
                                     size_t n, const uint64_t *moves, size_t n_moves,
                                     const char *schema)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct object_change *mine = ARENA_ARRAY(&a, struct object_change, n + 1);
    for (size_t i = 0; i < n; i++) {
        mine[i] = changes[i];
        if (!changes[i].next)
            continue;
        struct object *next = object_copy(changes[i].next, &a);
        next->version = changes[i].old ? changes[i].old->version + 1 : 1;
        if (!next->id)
            TRY(catalog_next_id(c, &next->id));
        if ((next->kind == OBJ_ENUM || next->kind == OBJ_COMPOSITE) && !next->array_id)
            TRY(catalog_next_id(c, &next->array_id));
        for (int k = 0; k < next->n_labels; k++)
            if (!next->labels[k].id)
                TRY(catalog_next_id(c, &next->labels[k].id));
        if (next->domain)
            TRY(table_each_id(next->domain, give_id, c));
        mine[i].next = next;
    }
    struct object_changes m = {mine, n, moves, n_moves, schema};
    return change(c, make_objects, &m);
}

/* ---- sequences ---------------------------------------------------------------------------- */

struct resequencing {
    const struct sequence_change *changes;
    int n;
    struct replacement table; /* old NULL: none */
    bool tried;
};

static bool same_sequence(const struct sequence *a, const struct sequence *b)
{
    char *x = NULL, *y = NULL;
    struct error *e = catalog__encode_sequence(a, &x);
    if (!e)
        e = catalog__encode_sequence(b, &y);
    bool same = !e && strcmp(x, y) == 0;
    error_free(e);
    mem_free(x);
    mem_free(y);
    return same;
}

struct error *catalog_check_position(const struct sequence *s)
{
    if (s->last < s->min)
        return error_new("22023", "RESTART value (%lld) cannot be less than MINVALUE (%lld)",
                         (long long)s->last, (long long)s->min);
    if (s->last > s->max)
        return error_new("22023", "RESTART value (%lld) cannot be greater than MAXVALUE (%lld)",
                         (long long)s->last, (long long)s->max);
    return NULL;
}

/* What a sequence becomes, from what it is by now. */
static struct error *merge(const struct sequence_change *x, const struct sequence *now,
                           struct sequence *ret)
{
    *ret = *x->next;
    ret->generation = x->old->generation + 1;
    if (!x->restart) {
        ret->last = now->last;
        ret->called = now->called;
    }
    return catalog_check_position(ret);
}

static struct error *change_sequence(struct draft *d, const struct catalog_view *v,
                                     const struct sequence_change *x, bool *ret_done)
{
    const struct sequence *about = x->old ? x->old : x->next;
    const struct sequence *now = catalog_sequence_by_id(v, about->id);
    *ret_done = false;
    if (!x->old) { /* ids are unique: an earlier attempt of ours */
        *ret_done = now != NULL;
        return now ? NULL : make_sequence(d, v, x->next);
    }
    if (!now) {
        *ret_done = x->next == NULL;
        return x->next
                   ? error_new(E_UNDEFINED_TABLE, "relation \"%s\" does not exist", x->old->name)
                   : NULL;
    }
    if (!x->next) {
        drop_sequence(d, now);
        return NULL;
    }
    struct sequence next;
    TRY(merge(x, now, &next));
    *ret_done = now->generation > x->old->generation && same_sequence(now, &next);
    if (*ret_done)
        return NULL;
    expect(d, COORD_UNMOVED, id_key(d, KEY_SEQUENCES, now->id), now->revision);
    if (strcmp(now->name, next.name) != 0 || strcmp(now->schema, next.schema) != 0) {
        const struct table from = place_of(now), to = place_of(&next);
        TRY(claim_name(d, v, &to, next.name));
        drop(d, relation_key(d, KEY_NAMES, &from, now->name));
        put(d, relation_key(d, KEY_NAMES, &to, next.name),
            arena_printf(&d->arena, "%llu", (unsigned long long)next.id));
    }
    return put_sequence(d, &next);
}

static struct error *make_resequencing(void *ctx, const struct catalog_view *v, struct draft *d,
                                       bool *ret_done)
{
    struct resequencing *r = ctx;
    int done = 0;
    for (int i = 0; i < r->n; i++) {
        bool one;
        TRY(change_sequence(d, v, &r->changes[i], &one));
        done += one;
    }
    bool table = r->table.old == NULL;
    if (!table)
        TRY(make_replacement(&r->table, v, d, &table));
    *ret_done = done == r->n && table;
    return NULL;
}

struct error *catalog_change_sequences(struct catalog *c, const struct sequence_change *changes,
                                       int n, const struct table *old_table,
                                       const struct table *next_table)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct table *numbered = NULL;
    if (old_table)
        TRY(number_parts(c, next_table, &a, &numbered));
    struct resequencing r = {.changes = changes, .n = n, .table = {old_table, numbered}};
    return change(c, make_resequencing, &r);
}

/* Once, on the newest record. An outcome that is unknown counts as none: whoever takes values takes
 * others then, whoever sets them sets them again. */
static struct error *step_once(struct catalog *c, uint64_t id, bool urgent, sequence_step *step,
                               void *ctx, bool *ret_done)
{
    _cleanup_(mem_freep) char *key = catalog__id_key(KEY_SEQUENCES, id);
    struct coord_list l = {0};
    TRY(coord_get(c->coord, key, CALL_MS, &l));
    struct record *r = NULL;
    struct error *e = l.n ? catalog__decode_sequence(&l.kvs[0], &r)
                          : error_new(E_UNDEFINED_TABLE, "the sequence was dropped");
    coord_list_done(&l);
    TRY(e);
    struct sequence *s = (struct sequence *)r->payload;
    struct coord_compare same = {COORD_UNMOVED, key, s->revision};
    _cleanup_(mem_freep) char *text = NULL;
    bool skip = false;
    uint64_t revision;
    e = step(ctx, s, &skip);
    if (!e && !skip)
        e = catalog__encode_sequence(s, &text);
    catalog__record_unref(r);
    *ret_done = skip;
    if (e || skip)
        return e;
    struct coord_op ops[2] = {
        {.kind = COORD_PUT, .key = key, .value = text, .value_len = strlen(text)},
        {.kind = COORD_PUT, .key = KEY_CHANGED, .value = ""}};
    e = coord_txn(c->coord, &same, 1, ops, urgent ? 2 : 1, CALL_MS, ret_done, &revision);
    if (error_is(e, E_COORD_UNKNOWN)) {
        *ret_done = false;
        error_free(e);
        return NULL;
    }
    if (!e && *ret_done && urgent)
        catalog__wait(c, revision, CALL_MS);
    if (!e && *ret_done)
        e = catalog__copy_put(atomic_load(&c->copy), key, text, revision);
    return e;
}

/* In a draft: on what it shows. */
struct stepping {
    uint64_t id;
    sequence_step *step;
    void *ctx;
};

static struct error *make_step(void *ctx, const struct catalog_view *v, struct draft *d,
                               bool *ret_done)
{
    const struct stepping *x = ctx;
    const struct sequence *now = catalog_sequence_by_id(v->all, x->id);
    if (!now)
        return error_new(E_UNDEFINED_TABLE, "the sequence was dropped");
    struct sequence next = *now;
    TRY(x->step(x->ctx, &next, ret_done));
    return *ret_done ? NULL : put_sequence(d, &next);
}

struct error *catalog_step_sequence(struct catalog *c, uint64_t id, bool urgent,
                                    sequence_step *step, void *ctx)
{
    struct stepping x = {id, step, ctx};
    if (c->drafted)
        return change(c, make_step, &x);
    uint64_t deadline = clock_ms() + CHANGE_MS;
    for (bool done = false; !done;) {
        TRY(step_once(c, id, urgent, step, ctx, &done));
        if (!done && clock_ms() >= deadline)
            return error_new(E_UNAVAILABLE, "the coordination store does not take the change");
    }
    return NULL;
}
