/* The catalog over the embedded store. Two catalogs on one store stand for two servers. */
#include "catalog/catalog.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];
static unsigned n_stores;

static void ok(struct error *e)
{
    if (e) {
        fprintf(stderr, "%s: %s (%s)\n", e->sqlstate, e->message, e->detail ? e->detail : "");
        fail();
    }
}

static void fails(struct error *e, const char *sqlstate)
{
    assert_non_null(e);
    assert_string_equal(e->sqlstate, sqlstate);
    error_free(e);
}

#define EVENTUALLY(condition)                                                                      \
    do {                                                                                           \
        uint64_t until_ = clock_ms() + 10000;                                                      \
        while (!(condition) && clock_ms() < until_)                                                \
            sleep_ms(2);                                                                           \
        assert_true(condition);                                                                    \
    } while (0)

/* Each case has a store of its own, with two catalogs. */
struct world {
    char dir[96];
    struct coord *coord;
    struct catalog *a, *b;
    struct arena arena;
};
static struct world w;

static int world_open(void **state)
{
    snprintf(w.dir, sizeof(w.dir), "%s/%u", root, n_stores++);
    ok(coord_open("embedded", w.dir, &w.coord));
    ok(catalog_open(w.coord, 3000, &w.a));
    ok(catalog_open(w.coord, 3000, &w.b));
    return 0;
}

static int world_close(void **state)
{
    catalog_close(w.a);
    catalog_close(w.b);
    coord_close(w.coord);
    arena_done(&w.arena);
    w = (struct world){0};
    return 0;
}

static void put(const char *key, const char *value)
{
    struct coord_op op = {
        .kind = COORD_PUT, .key = key, .value = value, .value_len = strlen(value)};
    bool succeeded;
    uint64_t revision;
    ok(coord_txn(w.coord, NULL, 0, &op, 1, 1000, &succeeded, &revision));
    struct catalog *both[2] = {w.a, w.b};
    for (int i = 0; i < 2; i++) {
        const struct catalog_view *v = NULL;
        EVENTUALLY((catalog_unref(v), (v = catalog_view(both[i]))->revision >= revision));
        catalog_unref(v);
    }
}

static bool has_key(const char *key)
{
    struct coord_list l;
    ok(coord_get(w.coord, key, 1000, &l));
    bool there = l.n > 0;
    coord_list_done(&l);
    return there;
}

/* A table with one of everything. */
static struct table *sample(const char *name)
{
    static int zero[] = {0}, both[] = {0, 1}, one[] = {1};
    static bool down[] = {true, false};
    struct arena *a = &w.arena;
    struct table *t = ARENA_NEW(a, struct table);
    ok(catalog_next_id(w.a, &t->id));
    t->schema = "public";
    t->name = arena_strdup(a, name);
    t->version = 1;
    t->n_columns = 2;
    t->columns = ARENA_ARRAY(a, struct column, 2);
    t->columns[0] = (struct column){.name = "id", .type = OID_INT8, .typmod = -1, .not_null = true};
    t->columns[1] = (struct column){
        .name = "näme \"x\"", .type = OID_VARCHAR, .typmod = 14, .default_sql = "'a\\\n'::text"};
    t->n_keys = 1;
    t->keys = ARENA_ARRAY(a, struct key, 1);
    t->keys[0] = (struct key){
        .name = arena_printf(a, "%s_pkey", name), .primary = true, .n_columns = 1, .columns = zero};
    t->n_checks = 1;
    t->checks = ARENA_ARRAY(a, struct check, 1);
    t->checks[0] = (struct check){.name = "positive", .sql = "id > 0"};
    t->n_foreign_keys = 1;
    t->foreign_keys = ARENA_ARRAY(a, struct foreign_key, 1);
    t->foreign_keys[0] = (struct foreign_key){.name = "self",
                                              .table = t->id,
                                              .n_columns = 1,
                                              .columns = one,
                                              .ref_columns = zero,
                                              .on_delete = 'c',
                                              .on_update = 'a'};
    t->n_indexes = 1;
    t->indexes = ARENA_ARRAY(a, struct index, 1);
    t->indexes[0] = (struct index){.name = arena_printf(a, "%s_idx", name),
                                   .unique = true,
                                   .n_columns = 2,
                                   .columns = both,
                                   .descending = down,
                                   .ddl = "CREATE INDEX .."};
    t->ddl = "CREATE TABLE ..";
    return t;
}

static struct region *sample_region(struct table *t)
{
    struct region *r = ARENA_NEW(&w.arena, struct region);
    ok(catalog_next_id(w.a, &r->id));
    t->region = r->id;
    r->epoch = 1;
    r->schema_version = 1;
    r->copies = 2;
    r->primary = "s1";
    r->n_backups = 1;
    r->backups[0] = "s2";
    return r;
}

static struct table *create(const char *name)
{
    struct table *t = sample(name);
    ok(catalog_create_table(w.a, t, sample_region(t)));
    return t;
}

/* ---- cases -------------------------------------------------------------------------------- */

/* An empty store becomes a cluster once; whoever opens it later finds the same one. */
static void founding(void **state)
{
    const struct catalog_view *a = catalog_view(w.a), *b = catalog_view(w.b);
    assert_true(a->cluster != 0);
    assert_true(a->cluster == b->cluster);
    assert_true(a->n_tables == 0 && a->n_regions == 0 && a->n_servers == 0 && !a->master);
    assert_false(a->incomplete);
    catalog_unref(a);
    catalog_unref(b);
}

/* A store of a newer format, or with a damaged cluster record, is refused. */
static void newer_format(void **state)
{
    struct catalog *c;
    put("/minisql/cluster", "{\"id\":1,\"format\":99}");
    struct error *e = catalog_open(w.coord, 1000, &c);
    assert_non_null(e);
    assert_non_null(e->hint);
    fails(e, E_UNSUPPORTED);
    put("/minisql/cluster", "{\"id\":");
    fails(catalog_open(w.coord, 1000, &c), E_DAMAGED);
}

/* A store that can't be reached is 57P03, when the time is up. */
static void unreachable(void **state)
{
    struct coord *coord;
    struct catalog *c;
    ok(coord_open("etcd://127.0.0.1:1", root, &coord));
    uint64_t start = clock_ms();
    fails(catalog_open(coord, 300, &c), E_UNAVAILABLE);
    assert_true(clock_ms() - start < 2000);
    coord_close(coord);
}

/* A created table is in the creator's view at once and in others' after a refresh, with everything
 * it consists of. */
static void create_table(void **state)
{
    struct table *t = create("student1");
    struct catalog *both[2] = {w.a, w.b};
    ok(catalog_refresh(w.b, 2000));
    for (int i = 0; i < 2; i++) {
        const struct catalog_view *v = catalog_view(both[i]);
        const struct table *got = catalog_table(v, "public", "student1");
        assert_non_null(got);
        assert_ptr_equal(got, catalog_table_by_id(v, t->id));
        assert_true(got->id == t->id && got->region == t->region && got->version == 1);
        assert_string_equal(got->ddl, t->ddl);
        assert_int_equal(got->n_columns, 2);
        assert_int_equal(got->columns[0].type, OID_INT8);
        assert_true(got->columns[0].not_null && !got->columns[0].default_sql);
        assert_string_equal(got->columns[1].name, "näme \"x\"");
        assert_int_equal(got->columns[1].typmod, 14);
        assert_string_equal(got->columns[1].default_sql, "'a\\\n'::text");
        assert_int_equal(table_column(got, "id"), 0);
        assert_int_equal(table_column(got, "ID"), -1);
        assert_true(got->keys[0].primary && got->keys[0].n_columns == 1);
        assert_string_equal(got->checks[0].sql, "id > 0");
        assert_true(got->foreign_keys[0].table == t->id);
        assert_true(got->foreign_keys[0].on_delete == 'c' && got->foreign_keys[0].on_update == 'a');
        assert_int_equal(got->foreign_keys[0].columns[0], 1);
        assert_true(got->indexes[0].unique && got->indexes[0].descending[0]);
        assert_false(got->indexes[0].descending[1]);
        const struct index *x;
        assert_ptr_equal(catalog_index(v, "public", "student1_idx", &x), got);
        assert_ptr_equal(x, &got->indexes[0]);
        assert_null(catalog_index(v, "other", "student1_idx", &x));
        const struct region *r = catalog_region(v, t->region);
        assert_true(r->epoch == 1 && r->copies == 2 && r->n_backups == 1 && r->revision > 0);
        assert_string_equal(r->primary, "s1");
        assert_null(catalog_table(v, "public", "student"));
        assert_null(catalog_region(v, t->id));
        catalog_unref(v);
    }
}

/* Names belong to one table or index, whoever asks at the same time. */
static void names_are_unique(void **state)
{
    create("t");
    struct table *t = sample("t");
    fails(catalog_create_table(w.b, t, sample_region(t)), E_DUPLICATE_TABLE);
    t = sample("t_idx"); /* an index is called so */
    fails(catalog_create_table(w.a, t, sample_region(t)), E_DUPLICATE_TABLE);
    t = sample("u");
    t->indexes[0].name = "t";
    fails(catalog_create_table(w.a, t, sample_region(t)), E_DUPLICATE_TABLE);
    /* what looks alike in a key is not the same */
    t = sample("a.b");
    ok(catalog_create_table(w.a, t, sample_region(t)));
    t = sample("b/c%");
    t->schema = "a";
    ok(catalog_create_table(w.a, t, sample_region(t)));
    const struct catalog_view *v = catalog_view(w.a);
    assert_non_null(catalog_table(v, "public", "a.b"));
    assert_non_null(catalog_table(v, "a", "b/c%"));
    assert_int_equal(v->n_tables, 3);
    catalog_unref(v);
    t = sample("\xff\xfe");
    fails(catalog_create_table(w.a, t, sample_region(t)), "22021");
}

struct racer {
    struct catalog *c;
    struct table *t;
    struct region *r;
    struct error *e;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    r->e = catalog_create_table(r->c, r->t, r->r);
    return NULL;
}

/* Of two that create the same name at once, exactly one does. */
static void create_race(void **state)
{
    for (int i = 0; i < 10; i++) {
        char name[16];
        snprintf(name, sizeof(name), "t%d", i);
        struct racer racers[2] = {{.c = w.a, .t = sample(name)}, {.c = w.b, .t = sample(name)}};
        pthread_t threads[2];
        for (int j = 0; j < 2; j++) {
            racers[j].r = sample_region(racers[j].t);
            pthread_create(&threads[j], NULL, race, &racers[j]);
        }
        for (int j = 0; j < 2; j++)
            pthread_join(threads[j], NULL);
        assert_true(!racers[0].e != !racers[1].e);
        for (int j = 0; j < 2; j++)
            if (racers[j].e)
                fails(racers[j].e, E_DUPLICATE_TABLE);
    }
}

/* A table can join a region: its schema version rises, its config stays. Dropping the last table
 * drops the region. */
static void shared_region(void **state)
{
    struct table *t = create("parent"), *u = sample("child"), *lost = sample("lost");
    u->region = t->region;
    ok(catalog_create_table(w.b, u, NULL));
    ok(catalog_refresh(w.a, 2000));
    const struct catalog_view *v = catalog_view(w.a);
    const struct region *r = catalog_region(v, t->region);
    assert_true(r->schema_version == 2 && r->epoch == 1);
    catalog_unref(v);
    lost->region = 999;
    fails(catalog_create_table(w.a, lost, NULL), E_UNDEFINED_TABLE);
    ok(catalog_drop_tables(w.a, &t->id, 1));
    v = catalog_view(w.a);
    assert_true(catalog_region(v, t->region)->schema_version == 3);
    assert_null(catalog_table(v, "public", "parent"));
    assert_null(catalog_table_by_id(v, t->id));
    catalog_unref(v);
    fails(catalog_drop_tables(w.a, &t->id, 1), E_UNDEFINED_TABLE);
    ok(catalog_drop_tables(w.a, &u->id, 1));
    v = catalog_view(w.a);
    assert_true(v->n_tables == 0 && v->n_regions == 0);
    catalog_unref(v);
    assert_false(has_key("/minisql/names/public.child"));
    assert_false(has_key("/minisql/indexes/public.child_idx"));
    create("parent"); /* the name is free again */
}

/* Several tables are dropped together. */
static void drop_many(void **state)
{
    uint64_t ids[7];
    for (int i = 0; i < 6; i++) {
        char name[16];
        snprintf(name, sizeof(name), "t%d", i);
        ids[i] = create(name)->id;
    }
    ids[6] = 4711;
    fails(catalog_drop_tables(w.a, ids, 7), E_UNDEFINED_TABLE);
    const struct catalog_view *v = catalog_view(w.a);
    assert_int_equal(v->n_tables, 6);
    catalog_unref(v);
    ok(catalog_drop_tables(w.a, ids, 6));
    v = catalog_view(w.a);
    assert_true(v->n_tables == 0 && v->n_regions == 0);
    catalog_unref(v);
}

/* Every part of a table has an id of its own, the same for every server and over later changes. */
static void parts_have_ids(void **state)
{
    struct table *t = create("t");
    ok(catalog_refresh(w.b, 2000));
    const struct catalog_view *v = catalog_view(w.b);
    const struct table *first = catalog_table_by_id(v, t->id);
    const uint64_t ids[] = {first->id,           first->columns[1].default_id,
                            first->keys[0].id,   first->keys[0].index_id,
                            first->checks[0].id, first->foreign_keys[0].id,
                            first->indexes[0].id};
    uint64_t highest = 0;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        assert_true(ids[i] > 0 && ids[i] < v->next_id);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(ids[i], ids[k]);
        highest = MAX(highest, ids[i]);
    }
    assert_int_equal(table_highest_id(first), highest);
    assert_int_equal(catalog_oid(first->keys[0].id), 16384 + first->keys[0].id);
    struct table *next = table_copy(first, &w.arena);
    next->checks = ARENA_ARRAY(&w.arena, struct check, 2);
    next->checks[0] = (struct check){.name = "new", .sql = "id < 9"};
    next->checks[1] = first->checks[0];
    next->n_checks = 2;
    ok(catalog_replace_table(w.b, first, next));
    catalog_unref(v);
    v = catalog_view(w.b);
    const struct table *now = catalog_table_by_id(v, t->id);
    assert_true(now->checks[0].id > 0);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        assert_int_not_equal(now->checks[0].id, ids[i]);
    assert_int_equal(now->checks[1].id, ids[4]);
    assert_int_equal(now->keys[0].index_id, ids[3]);
    catalog_unref(v);
}

/* An index is added and removed by replacing the table; who bases that on an old version is told.
 */
static void replace_table(void **state)
{
    struct table *t = create("t"), *next = table_copy(t, &w.arena);
    next->indexes = ARENA_ARRAY(&w.arena, struct index, 2);
    next->indexes[0] = t->indexes[0];
    next->indexes[1] = t->indexes[0];
    next->indexes[1].name = "second";
    next->n_indexes = 2;
    const struct catalog_view *before = catalog_view(w.a);
    ok(catalog_replace_table(w.a, t, next));
    assert_false(catalog_schema_is_current(w.a, before));
    const struct catalog_view *v = catalog_view(w.a);
    const struct table *now = catalog_table_by_id(v, t->id);
    assert_true(now->version == 2 && now->n_indexes == 2);
    assert_true(catalog_region(v, t->region)->schema_version == 2);
    assert_int_equal(catalog_table_by_id(before, t->id)->n_indexes, 1);
    assert_true(has_key("/minisql/indexes/public.second"));
    struct table *other = sample("other");
    other->indexes[0].name = "second";
    fails(catalog_create_table(w.b, other, sample_region(other)), E_DUPLICATE_TABLE);
    struct table *stale = table_copy(t, &w.arena);
    stale->n_indexes = 0;
    fails(catalog_replace_table(w.b, t, stale), E_STALE_SCHEMA);
    ok(catalog_replace_table(w.b, now, stale));
    assert_false(has_key("/minisql/indexes/public.second"));
    catalog_unref(v);
    catalog_unref(before);
    ok(catalog_drop_tables(w.b, &t->id, 1));
    fails(catalog_replace_table(w.b, t, next), E_UNDEFINED_TABLE);
}

/* Of two swaps from the same record one happens; both sides then see the winner's. Plans are not
 * disturbed by it. */
static void swap_region(void **state)
{
    struct table *t = create("t");
    ok(catalog_refresh(w.b, 2000));
    const struct catalog_view *va = catalog_view(w.a), *vb = catalog_view(w.b);
    const struct region *a = catalog_region(va, t->region), *b = catalog_region(vb, t->region);
    struct region *next = region_copy(a, &w.arena);
    next->epoch++;
    next->primary = "s2";
    next->n_backups = 0;
    next->former[next->n_former++] = "s1";
    bool swapped = false;
    ok(catalog_swap_region(w.a, a, next, &swapped));
    assert_true(swapped);
    next->primary = "s3";
    ok(catalog_swap_region(w.b, b, next, &swapped));
    assert_false(swapped);
    assert_true(catalog_schema_is_current(w.a, va));
    assert_false(catalog_is_current(w.a, va));
    catalog_unref(va);
    catalog_unref(vb);
    va = catalog_view(w.a);
    vb = catalog_view(w.b);
    assert_string_equal(catalog_region(va, t->region)->primary, "s2");
    assert_string_equal(catalog_region(vb, t->region)->primary, "s2");
    assert_string_equal(catalog_region(vb, t->region)->former[0], "s1");
    catalog_unref(va);
    catalog_unref(vb);
}

/* Of many swaps at once those happen that nobody else was first with, and the others are told so.
 */
static void swap_regions(void **state)
{
    enum { N = 150 };
    struct region_swap swaps[N] = {0};
    for (int i = 0; i < N; i++) {
        char name[16];
        snprintf(name, sizeof(name), "t%d", i);
        create(name);
    }
    const struct catalog_view *v = catalog_view(w.a);
    for (int i = 0; i < N; i++) {
        struct region *next = region_copy(v->regions[i], &w.arena);
        next->epoch++;
        next->primary = "s2";
        next->n_backups = 0;
        swaps[i] = (struct region_swap){.expected = v->regions[i], .next = next};
    }
    for (int i = 5; i < N; i += 50) {
        struct region *first = region_copy(v->regions[i], &w.arena);
        bool swapped = false;
        first->primary = "s3";
        ok(catalog_refresh(w.b, 2000));
        ok(catalog_swap_region(w.b, v->regions[i], first, &swapped));
        assert_true(swapped);
    }
    catalog_swap_regions(w.a, swaps, N);
    const struct catalog_view *now = catalog_view(w.a);
    for (int i = 0; i < N; i++) {
        ok(swaps[i].error);
        assert_int_equal(swaps[i].swapped, i % 50 != 5);
        assert_string_equal(now->regions[i]->primary, i % 50 == 5 ? "s3" : "s2");
        assert_int_equal(now->regions[i]->epoch, v->regions[i]->epoch + (i % 50 != 5));
    }
    catalog_unref(now);
    catalog_unref(v);
}

/* A change costs the parsing of what changed: everything else is the same object in the next view.
 */
static void sharing(void **state)
{
    struct table *t = create("t"), *u = create("u");
    const struct catalog_view *v = catalog_view(w.a);
    struct region *next = region_copy(catalog_region(v, t->region), &w.arena);
    next->epoch++;
    bool swapped;
    ok(catalog_swap_region(w.a, catalog_region(v, t->region), next, &swapped));
    const struct catalog_view *later = catalog_view(w.a);
    assert_ptr_equal(v->tables, later->tables);
    assert_ptr_equal(v->servers, later->servers);
    assert_ptr_not_equal(v->regions, later->regions);
    assert_ptr_equal(catalog_region(v, u->region), catalog_region(later, u->region));
    assert_ptr_not_equal(catalog_region(v, t->region), catalog_region(later, t->region));
    catalog_unref(v);
    assert_true(catalog_region(later, t->region)->epoch == 2); /* outlives the older view */
    catalog_unref(later);
}

/* Many tables: all there, in order, found by name and id, after loading as after watching. */
static void many_tables(void **state)
{
    struct table *first = create("t0000");
    struct coord_list l;
    char key[64], other[64];
    snprintf(key, sizeof(key), "/minisql/tables/%llu", (unsigned long long)first->id);
    ok(coord_get(w.coord, key, 1000, &l));
    for (int i = 1; i < 1500; i++) {
        _cleanup_(buf_done) struct buf text = {0};
        char *colon = strstr(l.kvs[0].value, ",\"schema\"");
        buf_printf(&text, "{\"id\":%d%s", 10000 + i * 7 % 1500, colon);
        char *name = strstr(text.data, "\"t0000\"");
        char digits[8];
        snprintf(digits, sizeof(digits), "%04d", i);
        memcpy(name + 2, digits, 4);
        snprintf(other, sizeof(other), "/minisql/tables/%d", 10000 + i * 7 % 1500);
        struct coord_op op = {
            .kind = COORD_PUT, .key = other, .value = text.data, .value_len = text.len};
        bool succeeded;
        ok(coord_txn(w.coord, NULL, 0, &op, 1, 1000, &succeeded, NULL));
    }
    coord_list_done(&l);
    put("/minisql/x", "");
    struct catalog *loaded, *all[2] = {w.a, NULL};
    ok(catalog_open(w.coord, 3000, &loaded));
    all[1] = loaded;
    for (int i = 0; i < 2; i++) {
        const struct catalog_view *v = catalog_view(all[i]);
        assert_int_equal(v->n_tables, 1500);
        for (size_t j = 0; j < v->n_tables; j++) {
            assert_ptr_equal(catalog_table(v, "public", v->tables[j]->name), v->tables[j]);
            assert_ptr_equal(catalog_table_by_id(v, v->tables[j]->id), v->tables[j]);
            assert_true(!j || strcmp(v->tables[j - 1]->name, v->tables[j]->name) < 0);
        }
        catalog_unref(v);
    }
    catalog_close(loaded);
}

static void *take_ids(void *arg)
{
    uint64_t *ids = arg;
    for (int i = 0; i < 20; i++)
        ok(catalog_next_id(i % 2 ? w.a : w.b, &ids[i]));
    return NULL;
}

/* No id is given out twice. */
static void ids(void **state)
{
    uint64_t got[4][20];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, take_ids, got[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    struct map seen = {0};
    for (int i = 0; i < 80; i++)
        assert_null(map_put_u64(&seen, got[i / 20][i % 20], w.a));
    map_done(&seen);
    put("/minisql/next_id", "many");
    uint64_t id;
    struct error *e = NULL;
    for (int i = 0; i < 100 && !e; i++) /* what was taken before is given out first */
        e = catalog_next_id(w.a, &id);
    fails(e, E_DAMAGED);
}

/* ---- bad records -------------------------------------------------------------------------- */

/* A record that makes no sense is passed over; the earlier one stays, and a missing one is told as
 * `incomplete`. */
static void garbage_records(void **state)
{
    struct table *t = create("t");
    char table_key[64], region_key[64];
    snprintf(table_key, sizeof(table_key), "/minisql/tables/%llu", (unsigned long long)t->id);
    snprintf(region_key, sizeof(region_key), "/minisql/regions/%llu",
             (unsigned long long)t->region);
    put(table_key, "garbage");
    put(region_key, "{\"id\":1}");
    put("/minisql/servers/s1", "[]");
    put("/minisql/tables/x", "{}");
    const struct catalog_view *v = catalog_view(w.a);
    assert_non_null(catalog_table(v, "public", "t"));
    assert_non_null(catalog_region(v, t->region));
    assert_int_equal(v->n_servers, 0);
    assert_false(v->incomplete);
    catalog_unref(v);
    put("/minisql/regions/77",
        "{\"id\":77,\"epoch\":1,\"schema_version\":1,\"copies\":2,\"primary\":\"s1\","
        "\"backups\":[\"s1\"],\"learners\":[],\"former\":[]}");
    v = catalog_view(w.a);
    assert_null(catalog_region(v, 77)); /* one server twice */
    assert_true(v->incomplete);
    catalog_unref(v);
    struct catalog *fresh;
    ok(catalog_open(w.coord, 1000, &fresh));
    v = catalog_view(fresh);
    assert_true(v->n_tables == 0 && v->n_regions == 0 && v->incomplete);
    catalog_unref(v);
    catalog_close(fresh);
}

/* However a record is mangled: it is taken or passed over, never a crash, and what is taken holds
 * together. */
static void mangled_records(void **state)
{
    struct table *t = create("t");
    struct rng rng;
    rng_seed(&rng, 7);
    for (int kind = 0; kind < 2; kind++) {
        char key[64];
        snprintf(key, sizeof(key), "/minisql/%s/%llu", kind ? "regions" : "tables",
                 (unsigned long long)(kind ? t->region : t->id));
        struct coord_list l;
        ok(coord_get(w.coord, key, 1000, &l));
        for (int i = 0; i < 600; i++) {
            char *text = mem_strndup(l.kvs[0].value, l.kvs[0].value_len);
            size_t n = l.kvs[0].value_len;
            for (uint64_t k = rng_below(&rng, 3) + 1; k > 0; k--)
                text[rng_below(&rng, n)] = "\"{}[]:,0-19a\0"[rng_below(&rng, 13)];
            struct coord_op op = {.kind = COORD_PUT,
                                  .key = key,
                                  .value = text,
                                  .value_len = rng_below(&rng, 4) ? n : (size_t)rng_below(&rng, n)};
            bool succeeded;
            ok(coord_txn(w.coord, NULL, 0, &op, 1, 1000, &succeeded, NULL));
            mem_free(text);
        }
        put("/minisql/x", "");
        const struct catalog_view *v = catalog_view(w.a);
        assert_int_equal(v->n_tables, 1);
        for (int i = 0; i < v->tables[0]->n_indexes; i++)
            assert_true(v->tables[0]->indexes[i].columns[0] < v->tables[0]->n_columns);
        assert_int_equal(v->n_regions, 1);
        catalog_unref(v);
        coord_list_done(&l);
    }
}

/* ---- servers and mastership --------------------------------------------------------------- */

static struct server self(const char *name, const char *address)
{
    return (struct server){.name = (char *)(uintptr_t)name,
                           .address = (char *)(uintptr_t)address,
                           .gateway = true,
                           .region = true,
                           .started = clock_wall_ms(),
                           .incarnation = random_u64()};
}

static int64_t tables_of(struct catalog *c, const char *name)
{
    const struct catalog_view *v = catalog_view(c);
    const struct server *s = catalog_server(v, name);
    int64_t n = s ? s->tables : -1;
    catalog_unref(v);
    return n;
}

/* A server is in every view from its registration to its end, with what it says of itself. */
static void registration(void **state)
{
    struct server s1 = self("s1", "127.0.0.1:5433");
    ok(catalog_register(w.a, &s1));
    const struct catalog_view *v = catalog_view(w.a);
    const struct server *s = catalog_server(v, "s1");
    assert_string_equal(s->address, "127.0.0.1:5433");
    assert_true(s->gateway && s->region && !s->master);
    catalog_unref(v);
    catalog_update_info(w.a, 5, 1000, 1 << 20, true);
    EVENTUALLY(tables_of(w.b, "s1") == 5);
    v = catalog_view(w.b);
    assert_true(catalog_server(v, "s1")->disk_failed);
    catalog_unref(v);
    fails(catalog_register(w.a, &s1), E_INTERNAL);
    /* the same name at the same address: the other one must be dead, its port is ours */
    struct server again = self("s1", "127.0.0.1:5433");
    ok(catalog_register(w.b, &again));
    EVENTUALLY(tables_of(w.a, "s1") == 0);
    catalog_close(w.b);
    w.b = NULL;
    EVENTUALLY(tables_of(w.a, "s1") == -1);
    struct server bad = self("a/b", "127.0.0.1:1");
    struct catalog *c;
    ok(catalog_open(w.coord, 1000, &c));
    fails(catalog_register(c, &bad), "22023");
    catalog_close(c);
}

/* The name of a live server elsewhere is refused, after as long as a dead one's record may linger.
 */
static void name_in_use(void **state)
{
    struct server s1 = self("s1", "127.0.0.1:5433"), other = self("s1", "127.0.0.2:5433");
    ok(catalog_register(w.a, &s1));
    fails(catalog_register(w.b, &other), "55006");
}

static void set_flag(void *ctx, bool is_master)
{
    atomic_store((atomic_int *)ctx, is_master);
}

/* One master at a time; who is not can't change the schema; views name it. */
static void mastership(void **state)
{
    static atomic_int a, b; /* told until the catalogs are closed */
    ok(catalog_campaign(w.a, "s1", set_flag, &a));
    EVENTUALLY(a && catalog_is_master(w.a));
    ok(catalog_campaign(w.b, "s2", set_flag, &b));
    sleep_ms(150);
    assert_false(catalog_is_master(w.b));
    struct table *t = sample("t");
    fails(catalog_create_table(w.b, t, sample_region(t)), E_UNAVAILABLE);
    ok(catalog_create_table(w.a, t, sample_region(t)));
    const struct catalog_view *v = catalog_view(w.a);
    assert_string_equal(v->master, "s1");
    catalog_unref(v);
    catalog_close(w.a);
    w.a = NULL;
    assert_false(a);
    EVENTUALLY(b && catalog_is_master(w.b));
    ok(catalog_drop_tables(w.b, &t->id, 1));
}

static void count_change(void *ctx, const struct catalog_view *v)
{
    assert_true(v->revision > 0);
    atomic_fetch_add((atomic_int *)ctx, 1);
}

/* Listeners hear of each new view until they are stopped. */
static void listeners(void **state)
{
    atomic_int one = 0, two = 0;
    catalog_on_change(w.a, count_change, &one);
    catalog_on_change(w.a, count_change, &two);
    create("t");
    EVENTUALLY(one > 0 && two > 0);
    catalog_on_change_stop(w.a, &one);
    int before = one;
    create("u");
    put("/minisql/x", "");
    assert_int_equal(one, before);
    EVENTUALLY(two > before);
    catalog_on_change_stop(w.a, &two);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void pass_gate(void *ctx, const struct catalog_view *v)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
}

static void put_raw(const char *key, const char *value)
{
    struct coord_op op = {
        .kind = COORD_PUT, .key = key, .value = value, .value_len = strlen(value)};
    bool succeeded;
    ok(coord_txn(w.coord, NULL, 0, &op, 1, 1000, &succeeded, NULL));
}

static bool shows_table(const char *name)
{
    const struct catalog_view *v = catalog_view(w.a);
    bool there = catalog_table(v, "public", name);
    catalog_unref(v);
    return there;
}

/* A catalog that fell too far behind loads everything anew; but a store that turned into another
 * cluster's is not followed. */
static void falling_behind(void **state)
{
    struct table *t = create("t");
    struct coord_list cluster;
    ok(coord_get(w.coord, "/minisql/cluster", 1000, &cluster));
    catalog_on_change(w.a, pass_gate, &gate);
    pthread_mutex_lock(&gate);
    put_raw("/minisql/cluster", "{\"id\":4711,\"format\":1}");
    ok(catalog_drop_tables(w.b, &t->id, 1));
    for (int i = 0; i < 1100; i++)
        put_raw("/minisql/x", "x");
    pthread_mutex_unlock(&gate);
    sleep_ms(500);
    assert_true(shows_table("t"));
    put_raw("/minisql/cluster", cluster.kvs[0].value);
    EVENTUALLY(!shows_table("t"));
    create("u");
    assert_true(shows_table("u"));
    coord_list_done(&cluster);
    catalog_on_change_stop(w.a, &gate);
}

static void *read_views(void *arg)
{
    atomic_int *stop = arg;
    while (!*stop) {
        const struct catalog_view *v = catalog_view(w.a);
        for (size_t i = 0; i < v->n_tables; i++)
            assert_non_null(catalog_region(v, v->tables[i]->region));
        catalog_unref(v);
    }
    return NULL;
}

/* ---- drafts ------------------------------------------------------------------------------- */

static bool shows(struct catalog *c, const char *name)
{
    const struct catalog_view *v = catalog_view(c);
    bool there = catalog_table(v, "public", name) != NULL;
    catalog_unref(v);
    return there;
}

/* Changes of a draft show there and nowhere else; a mark takes them back; what others do meanwhile
 * shows beneath them. */
static void drafts_are_private(void **state)
{
    struct table *old = create("old");
    struct catalog *d = catalog_draft_new(w.a);
    struct table *t = sample("mine");
    t->region = old->region;
    ok(catalog_create_table(d, t, NULL));
    struct catalog_draft_mark mark = catalog_draft_mark(d);
    ok(catalog_drop_tables(d, &old->id, 1));
    assert_true(shows(d, "mine") && !shows(d, "old"));
    assert_true(!shows(w.a, "mine") && shows(w.a, "old"));
    assert_true(!has_key("/minisql/names/public.mine"));
    fails(catalog_create_table(d, sample("mine"), NULL), E_DUPLICATE_TABLE);
    catalog_draft_undo(d, &mark);
    assert_true(shows(d, "mine") && shows(d, "old"));
    create("theirs");
    assert_false(shows(d, "theirs"));
    catalog_draft_rebase(d);
    assert_true(shows(d, "theirs") && shows(d, "mine"));
    catalog_close(d);
    assert_false(shows(w.a, "mine"));
}

/* A plan made on one view of a draft is right for no other. */
static void views_of_drafts_have_numbers(void **state)
{
    struct table *old = create("old");
    struct catalog *d = catalog_draft_new(w.a);
    const struct catalog_view *v = catalog_view(d);
    assert_true(catalog_schema_is_current(d, v) && !catalog_schema_is_current(w.a, v));
    ok(catalog_drop_tables(d, &old->id, 1));
    assert_false(catalog_schema_is_current(d, v));
    catalog_unref(v);
    catalog_close(d);
}

static char *text_of(struct catalog *d)
{
    const struct catalog_request q = {.gateway = 7, .slot = 3, .seq = 11};
    char *text;
    ok(catalog_draft_text(d, &q, &text));
    char *kept = arena_strdup(&w.arena, text);
    mem_free(text);
    return kept;
}

/* A draft with a new table and without an old one, about to commit in their region. */
static struct catalog *draft_of(struct table *old, const char *name)
{
    struct catalog *d = catalog_draft_new(w.a);
    struct table *t = sample(name);
    t->region = old->region;
    ok(catalog_create_table(d, t, NULL));
    ok(catalog_drop_tables(d, &old->id, 1));
    catalog_draft_hold(d, old->region);
    return d;
}

/* A pending change holds back all others; it happens, or it does not, and is settled once. */
static void pending_changes_are_settled(void **state)
{
    for (int happened = 0; happened < 2; happened++) {
        struct table *old = create(happened ? "old2" : "old1");
        struct catalog *d = draft_of(old, "mine");
        struct catalog_pending p;
        ok(catalog_prepare(w.a, text_of(d)));
        assert_false(shows(w.a, "mine"));
        ok(catalog_pending(w.b, &w.arena, &p));
        assert_int_equal(p.region, old->region);
        assert_int_equal(p.request.gateway, 7);
        assert_int_equal(p.request.slot, 3);
        assert_int_equal(p.request.seq, 11);
        ok(catalog_refresh(w.b, 1000)); /* it may not have the region yet */
        fails(catalog_prepare(w.b, text_of(d)), E_SERIALIZATION);
        ok(catalog_settle(w.b, &p, happened));
        ok(catalog_settle(w.a, &p, !happened)); /* nothing is left for it */
        ok(catalog_refresh(w.a, 1000));
        assert_int_equal(shows(w.a, "mine"), happened);
        assert_int_equal(shows(w.a, old->name), !happened);
        const struct catalog_view *v = catalog_view(w.a);
        assert_int_equal(v->changing, 0);
        assert_int_equal(catalog_region(v, old->region)->schema_version > 1, happened);
        catalog_unref(v);
        ok(catalog_pending(w.a, &w.arena, &p));
        assert_int_equal(p.revision, 0);
        catalog_close(d);
    }
}

/* Who was first with a name, a table, or the region's schema, wins; a reference to a table that is
 * gone is none. */
static void overtaken_drafts_are_refused(void **state)
{
    struct table *old = create("old");
    struct catalog *d = draft_of(old, "mine");
    create("mine");
    fails(catalog_prepare(w.a, text_of(d)), E_DUPLICATE_TABLE);
    catalog_close(d);

    d = draft_of(old, "another");
    struct table *beside = sample("beside");
    beside->region = old->region;
    ok(catalog_create_table(w.a, beside, NULL));
    fails(catalog_prepare(w.a, text_of(d)), E_STALE_SCHEMA);
    catalog_draft_rebase(d);
    ok(catalog_prepare(w.a, text_of(d)));
    struct catalog_pending p;
    ok(catalog_pending(w.a, &w.arena, &p));
    ok(catalog_settle(w.a, &p, false));
    catalog_close(d);

    d = draft_of(old, "child");
    const struct catalog_view *v = catalog_view(w.a);
    struct table *next = table_copy(catalog_table(v, "public", "old"), &w.arena);
    ok(catalog_replace_table(w.a, catalog_table(v, "public", "old"), next));
    catalog_unref(v);
    catalog_draft_rebase(d);
    fails(catalog_prepare(w.a, text_of(d)), E_SERIALIZATION);
    catalog_close(d);
    assert_false(has_key("/minisql/changing"));
}

static uint64_t version_of(struct catalog *c, uint64_t region)
{
    const struct catalog_view *v = catalog_view(c);
    uint64_t version = catalog_region(v, region)->schema_version;
    catalog_unref(v);
    return version;
}

/* A draft builds in two regions: it is refused when somebody else has changed one of them, and the
 * records get the versions that the files have got. */
static void drafts_build_in_several_regions(void **state)
{
    struct table *old[] = {create("first"), create("second")};
    struct catalog *d = catalog_draft_new(w.a);
    for (int i = 0; i < 2; i++) {
        struct table *t = sample(i ? "there" : "here");
        t->region = old[i]->region;
        ok(catalog_create_table(d, t, NULL));
    }
    catalog_draft_hold(d, old[0]->region);
    struct table *beside = sample("beside");
    beside->region = old[1]->region;
    ok(catalog_create_table(w.a, beside, NULL));
    fails(catalog_prepare(w.a, text_of(d)), E_STALE_SCHEMA);
    catalog_draft_rebase(d);

    struct catalog *elsewhere = catalog_draft_new(w.b);
    ok(catalog_refresh(w.b, 1000));
    ok(catalog_draft_read(elsewhere, text_of(d), NULL));
    ok(catalog_prepare(w.a, text_of(d)));
    struct catalog_pending p;
    ok(catalog_pending(w.a, &w.arena, &p));
    assert_int_equal(p.region, old[0]->region);
    ok(catalog_settle(w.a, &p, true));
    ok(catalog_refresh(w.a, 1000));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(version_of(w.a, old[i]->region), version_of(d, old[i]->region));
        assert_int_equal(version_of(elsewhere, old[i]->region), version_of(d, old[i]->region));
    }
    assert_true(shows(w.a, "here") && shows(w.a, "there"));
    catalog_close(elsewhere);
    catalog_close(d);
}

/* A draft's text comes from another server, or from the store: whatever it is, it is refused or
 * read.
 */
static void mangled_drafts(void **state)
{
    struct table *old = create("old");
    struct catalog *d = draft_of(old, "mine"), *other = catalog_draft_new(w.a);
    const char *text = text_of(d);
    struct catalog_request q;
    ok(catalog_draft_read(other, text, &q));
    assert_int_equal(q.seq, 11);
    assert_true(shows(other, "mine") && !shows(other, "old"));
    struct rng r;
    rng_seed(&r, 5);
    for (int i = 0; i < 400; i++) {
        char *copy = arena_strdup(&w.arena, text);
        for (int k = 0; k < 3; k++)
            copy[rng_below(&r, strlen(text))] = (char)(1 + rng_below(&r, 126));
        error_free(catalog_draft_read(other, copy, NULL));
    }
    fails(catalog_draft_read(other, "{", NULL), E_DAMAGED);
    fails(catalog_draft_read(other, "{\"ops\":[[\"/other/key\",\"\"]]}", NULL), E_DAMAGED);
    assert_true(catalog_draft_is_empty(other));
    catalog_close(other);
    catalog_close(d);
}

/* A region that was made for a transaction goes when it has no tables, and only then. */
static void provisional_regions(void **state)
{
    struct table *t = sample("t");
    struct region *r = sample_region(t);
    r->provisional = "s1:5";
    ok(catalog_create_region(w.a, r));
    const struct catalog_view *v = catalog_view(w.a);
    assert_string_equal(catalog_region(v, r->id)->provisional, "s1:5");
    catalog_unref(v);
    ok(catalog_drop_region(w.a, r->id));
    assert_false(
        has_key(arena_printf(&w.arena, "/minisql/regions/%llu", (unsigned long long)r->id)));
    r = sample_region(t);
    r->provisional = "s1:5";
    ok(catalog_create_region(w.a, r));
    ok(catalog_create_table(w.a, t, NULL));
    ok(catalog_drop_region(w.a, r->id));
    v = catalog_view(w.a);
    assert_null(catalog_region(v, r->id)->provisional);
    catalog_unref(v);
}

/* Readers in many threads always see a whole state, while it changes under them. */
static void concurrent_readers(void **state)
{
    atomic_int stop = 0;
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, read_views, &stop);
    for (int i = 0; i < 30; i++) {
        struct table *t = create("t");
        ok(catalog_drop_tables(w.a, &t->id, 1));
    }
    stop = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, world_open, world_close)

/* An argument runs only the cases whose names match it. */
int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {CASE(founding),
                                       CASE(newer_format),
                                       CASE(unreachable),
                                       CASE(create_table),
                                       CASE(names_are_unique),
                                       CASE(create_race),
                                       CASE(shared_region),
                                       CASE(drop_many),
                                       CASE(parts_have_ids),
                                       CASE(replace_table),
                                       CASE(swap_region),
                                       CASE(swap_regions),
                                       CASE(sharing),
                                       CASE(many_tables),
                                       CASE(ids),
                                       CASE(garbage_records),
                                       CASE(mangled_records),
                                       CASE(registration),
                                       CASE(name_in_use),
                                       CASE(mastership),
                                       CASE(listeners),
                                       CASE(falling_behind),
                                       CASE(concurrent_readers),
                                       CASE(drafts_are_private),
                                       CASE(views_of_drafts_have_numbers),
                                       CASE(pending_changes_are_settled),
                                       CASE(overtaken_drafts_are_refused),
                                       CASE(drafts_build_in_several_regions),
                                       CASE(mangled_drafts),
                                       CASE(provisional_regions)};
    log_threshold = LOG_ERROR + 1; /* bad records are logged as errors */
    snprintf(root, sizeof(root), "/tmp/test_catalog.XXXXXX");
    if (!mkdtemp(root))
        return 1;
    int failed = cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
    _cleanup_(mem_freep) char *command = mem_printf("rm -rf %s", root);
    if (system(command) != 0)
        fprintf(stderr, "could not remove %s\n", root);
    return failed;
}
