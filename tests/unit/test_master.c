/*
 * The master: its decisions, in a small simulated world of servers that come and go, and its schema
 * changes, over a catalog in the embedded store.
 */
#include "master/master.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static void ok(struct error *e)
{
    if (e) {
        fprintf(stderr, "%s: %s\n", e->sqlstate, e->message);
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

/* ---- a world that obeys the master -------------------------------------------------------- */

enum { MAX_SERVERS = 7, MAX_REGIONS = 40, MAX_TABLES = 200, STEP_MS = 100, MAX_ACTIONS = 64 };

static char *const names[MAX_SERVERS] = {"s1", "s2", "s3", "s4", "s5", "s6", "s7"};

struct world {
    struct rng rng;
    uint64_t now;
    int n_servers, n_regions, n_tables;
    int begun; /* copies */
    const char *drained;
    bool live[MAX_SERVERS];
    struct server servers[MAX_SERVERS];
    struct region regions[MAX_REGIONS];
    struct table tables[MAX_TABLES];
    struct master_memory memory;
    struct catalog_view view;
    const struct server *live_servers[MAX_SERVERS];
    const struct region *region_list[MAX_REGIONS];
    const struct table *table_list[MAX_TABLES];
};

static int server_index(const char *name)
{
    return name[1] - '1';
}

static bool is_live(const struct world *w, const char *name)
{
    return w->live[server_index(name)];
}

static int find(char *const *list, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(list[i], name) == 0)
            return i;
    return -1;
}

static void take_out(char **list, int *n, int at)
{
    (*n)--;
    for (int i = at; i < *n; i++)
        list[i] = list[i + 1];
}

static void add_former(struct region *r, char *name)
{
    if (find(r->former, r->n_former, name) < 0 && r->n_former < CATALOG_MAX_COPIES)
        r->former[r->n_former++] = name;
}

static void refresh_view(struct world *w)
{
    w->view = (struct catalog_view){.drained = w->drained,
                                    .servers = w->live_servers,
                                    .regions = w->region_list,
                                    .tables = w->table_list,
                                    .n_regions = (size_t)w->n_regions,
                                    .n_tables = (size_t)w->n_tables};
    for (int i = 0; i < w->n_servers; i++) {
        w->servers[i].bytes = (int64_t)rng_below(&w->rng, 1000);
        if (w->live[i])
            w->live_servers[w->view.n_servers++] = &w->servers[i];
    }
    for (int i = 0; i < w->n_regions; i++)
        w->region_list[i] = &w->regions[i];
    for (int i = 0; i < w->n_tables; i++)
        w->table_list[i] = &w->tables[i];
}

static void world_init(struct world *w, uint64_t seed, int n_servers)
{
    *w = (struct world){.now = 1000, .n_servers = n_servers};
    rng_seed(&w->rng, seed);
    for (int i = 0; i < n_servers; i++) {
        w->servers[i] = (struct server){.name = names[i], .region = true, .incarnation = 1};
        w->live[i] = true;
    }
    refresh_view(w);
}

static void world_done(struct world *w)
{
    master_memory_done(&w->memory);
}

/* A region as the master would place it, with some tables. */
static struct region *add_region(struct world *w, int copies, int tables)
{
    struct region *r = &w->regions[w->n_regions];
    *r = (struct region){.id = (uint64_t)w->n_regions + 100, .epoch = 1, .copies = copies};
    ok(master_place(&w->view, r));
    w->n_regions++;
    for (int i = 0; i < tables; i++) {
        w->tables[w->n_tables] =
            (struct table){.id = (uint64_t)w->n_tables + 1000, .region = r->id};
        w->n_tables++;
    }
    refresh_view(w);
    return r;
}

/* What the replication core would do about dead servers. */
static void fail_over(struct world *w, struct region *r)
{
    if (!is_live(w, r->primary)) {
        for (int i = 0; i < r->n_backups; i++) {
            if (!is_live(w, r->backups[i]))
                continue;
            char *old = r->primary;
            r->primary = r->backups[i];
            take_out(r->backups, &r->n_backups, i);
            add_former(r, old);
            break;
        }
    }
    if (!is_live(w, r->primary))
        return;
    for (int i = r->n_backups; i-- > 0;) {
        if (!is_live(w, r->backups[i])) {
            add_former(r, r->backups[i]);
            take_out(r->backups, &r->n_backups, i);
        }
    }
    for (int i = r->n_learners; i-- > 0;) {
        if (is_live(w, r->learners[i]) && rng_below(&w->rng, 3) == 0 &&
            r->n_backups < CATALOG_MAX_COPIES - 1) {
            int old = find(r->former, r->n_former, r->learners[i]);
            if (old >= 0)
                take_out(r->former, &r->n_former, old);
            r->backups[r->n_backups++] = r->learners[i];
            take_out(r->learners, &r->n_learners, i);
        }
    }
}

static bool holds(const struct region *r, const char *name)
{
    return strcmp(r->primary, name) == 0 || find(r->backups, r->n_backups, name) >= 0 ||
           find(r->learners, r->n_learners, name) >= 0;
}

/* Every action must be one that is safe and makes sense in the state that it was decided in. */
static void check_action(const struct world *w, const struct master_action *a)
{
    const struct region *r = &w->regions[a->region - 100];
    assert_true(r->id == a->region);
    assert_string_equal(a->server, r->primary);
    assert_true(is_live(w, a->server));
    bool backup = find(r->backups, r->n_backups, a->target) >= 0;
    bool learner = find(r->learners, r->n_learners, a->target) >= 0;
    switch (a->what) {
    case REPL_ADD_LEARNER:
        assert_true(is_live(w, a->target) && w->servers[server_index(a->target)].region);
        assert_false(backup || learner || strcmp(a->target, r->primary) == 0);
        assert_int_equal(r->n_learners, 0);
        break;
    case REPL_REMOVE:
        assert_true(backup || learner);
        if (backup)
            assert_true(1 + r->n_backups > r->copies);
        else
            assert_false(is_live(w, a->target));
        break;
    case REPL_TRANSFER:
        assert_true(backup && is_live(w, a->target));
        break;
    }
}

static void obey(struct world *w, const struct master_action *a)
{
    struct region *r = &w->regions[a->region - 100];
    int at;
    switch (a->what) {
    case REPL_ADD_LEARNER:
        if (r->n_learners == 0) {
            r->learners[r->n_learners++] = names[server_index(a->target)];
            w->begun++;
        }
        break;
    case REPL_REMOVE:
        if ((at = find(r->backups, r->n_backups, a->target)) >= 0) {
            add_former(r, r->backups[at]);
            take_out(r->backups, &r->n_backups, at);
        } else if ((at = find(r->learners, r->n_learners, a->target)) >= 0) {
            take_out(r->learners, &r->n_learners, at);
        }
        break;
    case REPL_TRANSFER:
        if ((at = find(r->backups, r->n_backups, a->target)) >= 0) {
            char *old = r->primary;
            r->primary = r->backups[at];
            r->backups[at] = old;
        }
        break;
    }
}

/* Plans, checks, obeys (mostly), lets time pass. How many actions there were. */
static size_t world_step(struct world *w)
{
    struct master_action actions[MAX_ACTIONS];
    refresh_view(w);
    size_t n =
        master_plan(&w->memory, &w->view, w->now, &master_limits_default, actions, MAX_ACTIONS);
    for (size_t i = 0; i < n; i++) {
        check_action(w, &actions[i]);
        for (size_t j = 0; j < i; j++)
            assert_true(actions[j].region != actions[i].region);
    }
    for (size_t i = 0; i < n; i++)
        if (rng_below(&w->rng, 10) < 7)
            obey(w, &actions[i]);
    for (int i = 0; i < w->n_regions; i++)
        fail_over(w, &w->regions[i]);
    w->now += STEP_MS;
    return n;
}

static bool in_flight(const struct world *w)
{
    for (int i = 0; i < w->n_regions; i++)
        if (w->regions[i].n_learners || 1 + w->regions[i].n_backups > w->regions[i].copies)
            return true;
    return false;
}

/* Until nothing has happened for longer than any patience of the master. */
static void run_until_quiet(struct world *w)
{
    int quiet = 0;
    for (int step = 0; quiet < 120; step++) {
        if (step > 20000)
            fail_msg("the master does not come to rest");
        bool active = world_step(w) > 0 || in_flight(w);
        quiet = active ? 0 : quiet + 1;
    }
}

static int weight(const struct world *w, const struct region *r)
{
    int n = 0;
    for (int i = 0; i < w->n_tables; i++)
        n += w->tables[i].region == r->id;
    return n;
}

static void count(const struct world *w, int tables[MAX_SERVERS], int primaries[MAX_SERVERS])
{
    memset(tables, 0, sizeof(int) * MAX_SERVERS);
    memset(primaries, 0, sizeof(int) * MAX_SERVERS);
    for (int i = 0; i < w->n_regions; i++) {
        const struct region *r = &w->regions[i];
        int n = weight(w, r);
        primaries[server_index(r->primary)]++;
        tables[server_index(r->primary)] += n;
        for (int j = 0; j < r->n_backups; j++)
            tables[server_index(r->backups[j])] += n;
    }
}

static int spread(const struct world *w, const int counts[MAX_SERVERS])
{
    int min = INT32_MAX, max = 0;
    for (int i = 0; i < w->n_servers; i++) {
        if (!w->live[i])
            continue;
        min = MIN(min, counts[i]);
        max = MAX(max, counts[i]);
    }
    return max - min;
}

/* All copies there, no server with too many tables, no primary that a holder with two fewer could
 * have. */
static void check_at_rest(const struct world *w, int max_weight)
{
    int tables[MAX_SERVERS], primaries[MAX_SERVERS], n_live = 0;
    for (int i = 0; i < w->n_servers; i++)
        n_live += w->live[i];
    count(w, tables, primaries);
    assert_true(spread(w, tables) <= max_weight);
    for (int i = 0; i < w->n_regions; i++) {
        const struct region *r = &w->regions[i];
        assert_int_equal(1 + r->n_backups, MIN(r->copies, n_live));
        assert_int_equal(r->n_learners, 0);
        for (int j = 0; j < r->n_backups; j++)
            assert_true(
                primaries[server_index(r->primary)] - primaries[server_index(r->backups[j])] < 2);
    }
}

/* ---- decisions ---------------------------------------------------------------------------- */

/* New tables go to the servers with the fewest, primaries spread too; with too few servers, to
 * those that there are. */
static void placement(void **state)
{
    struct world w;
    world_init(&w, 1, 3);
    for (int i = 0; i < 12; i++) {
        struct region *r = add_region(&w, 2, 1);
        assert_int_equal(r->n_backups, 1);
        assert_string_not_equal(r->primary, r->backups[0]);
    }
    int tables[MAX_SERVERS], primaries[MAX_SERVERS];
    count(&w, tables, primaries);
    assert_int_equal(spread(&w, tables), 0);
    assert_true(spread(&w, primaries) <= 2);
    w.servers[0].region = false;
    w.live[1] = false;
    refresh_view(&w);
    struct region *r = add_region(&w, 2, 1);
    assert_string_equal(r->primary, "s3");
    assert_int_equal(r->n_backups, 0);
    w.live[2] = false;
    refresh_view(&w);
    struct region none = {.copies = 2};
    fails(master_place(&w.view, &none), E_UNAVAILABLE);
    world_done(&w);
}

/* What is well is left alone, for ever. */
static void rest(void **state)
{
    struct world w;
    world_init(&w, 2, 3);
    for (int i = 0; i < 9; i++)
        add_region(&w, 2, 1);
    run_until_quiet(&w);
    for (int i = 0; i < 500; i++)
        assert_int_equal(world_step(&w), 0);
    world_done(&w);
}

/* A lost copy is made elsewhere, but only after its holder had time to come back; a returning
 * holder is taken at once. */
static void repair(void **state)
{
    struct world w;
    struct master_action a[4];
    world_init(&w, 3, 3);
    struct region *r = add_region(&w, 2, 1);
    char *lost = r->backups[0];
    uint64_t start = w.now;
    w.live[server_index(lost)] = false;
    fail_over(&w, r);
    refresh_view(&w);
    assert_int_equal(master_plan(&w.memory, &w.view, start, &master_limits_default, a, 4), 0);
    assert_int_equal(master_plan(&w.memory, &w.view, start + 4900, &master_limits_default, a, 4),
                     0);
    w.live[server_index(lost)] = true;
    w.servers[server_index(lost)].disk_failed = true; /* of no use yet */
    refresh_view(&w);
    assert_int_equal(master_plan(&w.memory, &w.view, start + 4900, &master_limits_default, a, 4),
                     0);
    w.servers[server_index(lost)].disk_failed = false;
    assert_int_equal(master_plan(&w.memory, &w.view, start + 4901, &master_limits_default, a, 4),
                     1);
    assert_int_equal(a[0].what, REPL_ADD_LEARNER);
    assert_string_equal(a[0].target, lost);
    w.live[server_index(lost)] = false;
    refresh_view(&w);
    assert_int_equal(master_plan(&w.memory, &w.view, start + 5000, &master_limits_default, a, 4),
                     1);
    assert_int_equal(a[0].what, REPL_ADD_LEARNER);
    assert_string_not_equal(a[0].target, lost);
    assert_string_not_equal(a[0].target, r->primary);
    /* the server that the new copy is made on dies, too: given up after a while, and begun
     * elsewhere */
    obey(&w, &a[0]);
    char *learner = r->learners[0];
    w.live[server_index(learner)] = false;
    refresh_view(&w);
    assert_int_equal(master_plan(&w.memory, &w.view, start + 5100, &master_limits_default, a, 4),
                     1);
    assert_int_equal(a[0].what, REPL_REMOVE);
    assert_string_equal(a[0].target, learner);
    world_done(&w);
}

/* Many lost copies are not all made at once. */
static void repair_is_limited(void **state)
{
    struct world w;
    struct master_action a[MAX_ACTIONS];
    world_init(&w, 4, 3);
    for (int i = 0; i < 30; i++)
        add_region(&w, 2, 1);
    w.live[2] = false;
    for (int i = 0; i < w.n_regions; i++)
        fail_over(&w, &w.regions[i]);
    refresh_view(&w);
    master_plan(&w.memory, &w.view, w.now, &master_limits_default, a, MAX_ACTIONS);
    size_t n =
        master_plan(&w.memory, &w.view, w.now + 6000, &master_limits_default, a, MAX_ACTIONS);
    int to[MAX_SERVERS] = {0}, from[MAX_SERVERS] = {0};
    for (size_t i = 0; i < n; i++) {
        to[server_index(a[i].target)]++;
        from[server_index(a[i].server)]++;
    }
    for (int i = 0; i < 3; i++)
        assert_true(to[i] <= 4 && from[i] <= 4);
    assert_int_equal(n, 8);
    run_until_quiet(&w);
    check_at_rest(&w, 1);
    world_done(&w);
}

static int held_by(const struct world *w, const char *name, bool as_primary)
{
    int n = 0;
    for (int i = 0; i < w->n_regions; i++)
        n += as_primary ? strcmp(w->regions[i].primary, name) == 0 : holds(&w->regions[i], name);
    return n;
}

/* Primaries go first and at once, then the copies; nothing comes back, or is placed there, until
 * the server is taken into use again. */
static void drained_server(void **state)
{
    struct world w;
    struct master_action a[MAX_ACTIONS];
    world_init(&w, 6, 4);
    for (int i = 0; i < 20; i++)
        add_region(&w, i % 5 ? 2 : 1, 1);
    run_until_quiet(&w);
    w.drained = "s9,s2";
    refresh_view(&w);
    size_t n = master_plan(&w.memory, &w.view, w.now, &master_limits_default, a, MAX_ACTIONS);
    int transfers = 0;
    for (size_t i = 0; i < n; i++)
        transfers += a[i].what == REPL_TRANSFER;
    int movable = 0;
    for (int i = 0; i < w.n_regions; i++)
        movable += strcmp(w.regions[i].primary, "s2") == 0 && w.regions[i].n_backups;
    assert_true(movable > 0);
    assert_int_equal(transfers, movable);
    for (int step = 0; step < 100; step++) {
        world_step(&w);
        for (int i = 0; i < w.n_regions; i++) /* no copy goes before its successor is complete */
            assert_true(1 + w.regions[i].n_backups >= w.regions[i].copies);
    }
    run_until_quiet(&w);
    assert_int_equal(held_by(&w, "s2", false), 0);
    add_region(&w, 2, 1);
    assert_false(holds(&w.regions[w.n_regions - 1], "s2"));
    w.drained = "s9";
    refresh_view(&w);
    run_until_quiet(&w);
    assert_true(held_by(&w, "s2", false) >= 4);
    world_done(&w);
}

/* Where there is no server for one more copy, the primaries go and the copies stay. */
static void drained_one_of_two(void **state)
{
    struct world w;
    world_init(&w, 7, 2);
    for (int i = 0; i < 6; i++)
        add_region(&w, 2, 1);
    w.drained = "s1";
    refresh_view(&w);
    run_until_quiet(&w);
    assert_int_equal(held_by(&w, "s1", true), 0);
    assert_int_equal(held_by(&w, "s1", false), 6);
    world_done(&w);
}

/* A server that is about to stop gets nothing, and gives nothing away: it may be back soon. */
static void leaving_server(void **state)
{
    struct world w;
    world_init(&w, 8, 3);
    for (int i = 0; i < 6; i++)
        add_region(&w, 2, 1);
    run_until_quiet(&w);
    int before = held_by(&w, "s2", false);
    w.servers[1].leaving = true;
    refresh_view(&w);
    w.begun = 0;
    run_until_quiet(&w);
    assert_int_equal(held_by(&w, "s2", false), before);
    assert_int_equal(w.begun, 0);
    add_region(&w, 3, 1);
    assert_false(holds(&w.regions[w.n_regions - 1], "s2"));
    world_done(&w);
}

/* A new server gets its share of tables and of primaries, a few at a time. */
static void new_server(void **state)
{
    struct world w;
    world_init(&w, 5, 4);
    w.live[3] = false;
    refresh_view(&w);
    for (int i = 0; i < 20; i++)
        add_region(&w, 2, 1);
    run_until_quiet(&w);
    w.live[3] = true;
    w.begun = 0;
    uint64_t start = w.now;
    while (world_step(&w) == 0)
        assert_true(w.now - start < 10000);
    assert_true(w.now - start >= 5000); /* not before things have settled */
    for (int step = 0; step < 600; step++) {
        int moving = 0;
        world_step(&w);
        for (int i = 0; i < w.n_regions; i++)
            moving += w.regions[i].n_learners;
        assert_true(moving <= 4);
    }
    run_until_quiet(&w);
    int tables[MAX_SERVERS], primaries[MAX_SERVERS];
    count(&w, tables, primaries);
    assert_int_equal(tables[3], 10);
    assert_int_equal(w.begun, 10); /* no copy was made for nothing */
    assert_true(primaries[3] >= 4);
    check_at_rest(&w, 1);
    world_done(&w);
}

/* Whatever happens to the servers, nothing unsafe is ever asked; and once they stay up, the master
 * comes to rest with all copies made and all evened out. */
static void random_worlds(void **state)
{
    for (uint64_t seed = 0; seed < 150; seed++) {
        struct world w;
        world_init(&w, seed, 2);
        w.n_servers = 2 + (int)rng_below(&w.rng, 6);
        int n_servers = w.n_servers, max_weight = 1 + (int)(seed % 3) * 2;
        world_init(&w, seed + 1000, n_servers);
        int n_regions = 1 + (int)rng_below(&w.rng, MAX_REGIONS - 1);
        for (int i = 0; i < n_regions; i++)
            add_region(&w, 1 + (int)rng_below(&w.rng, 3),
                       1 + (int)rng_below(&w.rng, (uint64_t)max_weight));
        for (int step = 0; step < 400; step++) {
            if (rng_below(&w.rng, 25) == 0) {
                int s = (int)rng_below(&w.rng, (uint64_t)w.n_servers);
                w.live[s] = !w.live[s];
                w.servers[s].incarnation += w.live[s];
            }
            world_step(&w);
        }
        for (int i = 0; i < w.n_servers; i++)
            w.live[i] = rng_below(&w.rng, 4) > 0 || i == 0;
        for (int i = 0; i < w.n_regions;
             i++) /* what can't come back is not the master's to solve */
            w.live[server_index(w.regions[i].primary)] = true;
        run_until_quiet(&w);
        check_at_rest(&w, max_weight);
        world_done(&w);
    }
}

/* A view that is missing records is no ground to move anything. */
static void incomplete_view(void **state)
{
    struct world w;
    struct master_action a[4];
    world_init(&w, 6, 3);
    for (int i = 0; i < 4; i++) {
        struct region *r = add_region(&w, 1, 1);
        r->primary = names[0];
    }
    refresh_view(&w);
    w.view.incomplete = true;
    for (uint64_t t = 0; t < 20000; t += 1000)
        assert_int_equal(master_plan(&w.memory, &w.view, t, &master_limits_default, a, 4), 0);
    world_done(&w);
}

/* ---- schema changes ----------------------------------------------------------------------- */

static char root[64];
static unsigned n_stores;

static struct stage {
    struct coord *coord;
    struct catalog *catalog, *others[2];
    struct master *master;
    pthread_mutex_t lock;
    struct buf asked; /* "what target;" */
    struct buf ran;
    struct error *ddl_error;
    int not_primary; /* so often run_ddl says MS001 */
} stage;

static struct error *io_ask(void *ctx, const char *server, uint64_t region, enum repl_change what,
                            const char *target)
{
    pthread_mutex_lock(&stage.lock);
    buf_printf(&stage.asked, "%d %s;", (int)what, target);
    pthread_mutex_unlock(&stage.lock);
    return NULL;
}

static struct error *io_run_ddl(void *ctx, const char *server, uint64_t region, const char *sql)
{
    if (stage.not_primary-- > 0)
        return error_new(E_NOT_PRIMARY, "not the primary");
    buf_printf(&stage.ran, "%s|", sql);
    return error_copy(stage.ddl_error);
}

static void register_server(struct catalog *c, const char *name)
{
    struct server s = {.name = (char *)(uintptr_t)name,
                       .address = "127.0.0.1:1",
                       .region = true,
                       .incarnation = 1};
    ok(catalog_register(c, &s));
}

static int stage_open(void **state)
{
    char dir[96];
    stage = (struct stage){0};
    pthread_mutex_init(&stage.lock, NULL);
    snprintf(dir, sizeof(dir), "%s/%u", root, n_stores++);
    ok(coord_open("embedded", dir, &stage.coord));
    ok(catalog_open(stage.coord, 3000, &stage.catalog));
    register_server(stage.catalog, "s1");
    for (int i = 0; i < 2; i++) {
        ok(catalog_open(stage.coord, 3000, &stage.others[i]));
        register_server(stage.others[i], names[i + 1]);
    }
    struct master_options o = {.name = "s1",
                               .catalog = stage.catalog,
                               .io = {.ask = io_ask, .run_ddl = io_run_ddl},
                               .copies = 2,
                               .tick_ms = 20,
                               .repair_ms = 300,
                               .settle_ms = 200};
    ok(master_open(&o, &stage.master));
    EVENTUALLY(catalog_is_master(stage.catalog));
    return 0;
}

static int stage_close(void **state)
{
    master_close(stage.master);
    catalog_close(stage.catalog);
    for (int i = 0; i < 2; i++)
        catalog_close(stage.others[i]);
    coord_close(stage.coord);
    buf_done(&stage.asked);
    buf_done(&stage.ran);
    error_free(stage.ddl_error);
    return 0;
}

static struct column id_column = {.name = "id", .type = OID_INT8, .typmod = -1, .not_null = true};

static struct table table_named(const char *name)
{
    return (struct table){.schema = "public",
                          .name = (char *)(uintptr_t)name,
                          .n_columns = 1,
                          .columns = &id_column,
                          .ddl = "CREATE TABLE .."};
}

static uint64_t create(const char *name)
{
    struct table t = table_named(name);
    uint64_t id;
    ok(master_create_table(stage.master, &t, NULL, &id));
    return id;
}

static struct error *create_referencing(const char *name, uint64_t a, uint64_t b, uint64_t *ret)
{
    static int zero = 0;
    struct foreign_key keys[2] = {{.name = "fk_a",
                                   .table = a,
                                   .n_columns = 1,
                                   .columns = &zero,
                                   .ref_columns = &zero,
                                   .on_delete = 'a',
                                   .on_update = 'a'},
                                  {.name = "fk_b",
                                   .table = b,
                                   .n_columns = 1,
                                   .columns = &zero,
                                   .ref_columns = &zero,
                                   .on_delete = 'a',
                                   .on_update = 'a'}};
    struct table t = table_named(name);
    t.foreign_keys = keys;
    t.n_foreign_keys = 2;
    return master_create_table(stage.master, &t, NULL, ret);
}

/* A created table has a region with as many copies as asked for; names are unique; tables spread.
 */
static void ddl_create(void **state)
{
    uint64_t id = create("t1");
    create("t2");
    create("t3");
    const struct catalog_view *v = catalog_view(stage.catalog);
    const struct table *t = catalog_table_by_id(v, id);
    assert_true(t->version == 1);
    int held[MAX_SERVERS] = {0};
    assert_int_equal(v->n_regions, 3);
    for (size_t i = 0; i < v->n_regions; i++) {
        const struct region *r = v->regions[i];
        assert_true(r->epoch == 1 && r->copies == 2 && r->n_backups == 1);
        held[server_index(r->primary)]++;
        held[server_index(r->backups[0])]++;
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(held[i], 2);
    catalog_unref(v);
    struct table again = table_named("t1");
    fails(master_create_table(stage.master, &again, NULL, NULL), E_DUPLICATE_TABLE);
}

/* Tables tied by foreign keys share a region, also with themselves; a key into two regions is
 * refused. */
static void ddl_foreign_keys(void **state)
{
    uint64_t a = create("a"), b = create("b"), child;
    ok(create_referencing("child", a, 0, &child));
    const struct catalog_view *v = catalog_view(stage.catalog);
    const struct table *t = catalog_table_by_id(v, child);
    assert_true(t->region == catalog_table_by_id(v, a)->region);
    assert_true(t->foreign_keys[1].table == child);
    catalog_unref(v);
    struct error *e = create_referencing("both", a, b, NULL);
    assert_non_null(e);
    assert_non_null(e->hint);
    fails(e, E_UNSUPPORTED);
    fails(create_referencing("none", 4711, 0, NULL), E_UNDEFINED_TABLE);
    e = master_drop_tables(stage.master, &a, 1, false);
    assert_non_null(e);
    assert_string_equal(e->message, "cannot drop table a because other objects depend on it");
    assert_string_equal(e->detail, "constraint fk_a on table child depends on table a");
    fails(e, "2BP01");
    fails(master_drop_tables(stage.master, &a, 1, true), E_UNSUPPORTED);
    uint64_t both[] = {a, child};
    ok(master_drop_tables(stage.master, both, 2, false));
    fails(master_drop_tables(stage.master, both, 1, false), E_UNDEFINED_TABLE);
}

static const struct index *find_index(const struct catalog_view *v, const char *name)
{
    const struct index *x = NULL;
    return catalog_index(v, "public", name, &x) ? x : NULL;
}

/* An index is built at the region first; only when that succeeded is it recorded. */
static void ddl_index(void **state)
{
    static int zero = 0;
    static bool down = false;
    uint64_t id = create("t");
    struct index x = {.name = "x\"1",
                      .unique = true,
                      .n_columns = 1,
                      .columns = &zero,
                      .descending = &down,
                      .ddl = "CREATE INDEX x"};
    stage.not_primary = 2; /* it has just moved */
    ok(master_create_index(stage.master, id, &x));
    assert_string_equal(stage.ran.data, "CREATE INDEX x|");
    const struct catalog_view *v = catalog_view(stage.catalog);
    assert_non_null(find_index(v, "x\"1"));
    assert_true(catalog_table_by_id(v, id)->version == 2);
    catalog_unref(v);
    fails(master_create_index(stage.master, id, &x), E_DUPLICATE_TABLE);
    x.name = "y";
    stage.ddl_error = error_new(E_UNIQUE, "could not create unique index \"y\"");
    fails(master_create_index(stage.master, id, &x), E_UNIQUE);
    v = catalog_view(stage.catalog);
    assert_null(find_index(v, "y"));
    catalog_unref(v);
    ok(master_drop_index(stage.master, id, "x\"1"));
    fails(master_drop_index(stage.master, id, "x\"1"), E_UNDEFINED_OBJECT);
    fails(master_create_index(stage.master, 4711, &x), E_UNDEFINED_TABLE);
}

static size_t count_regions(void)
{
    const struct catalog_view *v = catalog_view(stage.catalog);
    size_t n = v->n_regions;
    catalog_unref(v);
    return n;
}

/* Who is not the master says so, and who is. */
static void ddl_elsewhere(void **state)
{
    struct master_options o = {.name = "s2",
                               .catalog = stage.others[0],
                               .io = {.ask = io_ask, .run_ddl = io_run_ddl},
                               .copies = 2};
    struct master *second;
    ok(master_open(&o, &second));
    struct table t = table_named("t");
    struct error *e = master_create_table(second, &t, NULL, NULL);
    assert_non_null(e);
    assert_string_equal(e->detail, "s1");
    fails(e, E_NOT_PRIMARY);
    master_close(stage.master);
    stage.master = NULL;
    EVENTUALLY(catalog_is_master(stage.others[0]));
    ok(master_create_table(second, &t, NULL, NULL));
    master_close(second);
    o.copies = 8;
    fails(master_open(&o, &second), "22023");
}

/* A transaction's region: who asks again gets the same one, and gives back what he was not told of.
 */
static void ddl_provisional_region(void **state)
{
    char first[64], second[64];
    const struct catalog_view *v = catalog_view(stage.catalog);
    unsigned long long incarnation = catalog_server(v, "s2")->incarnation;
    catalog_unref(v);
    snprintf(first, sizeof(first), "s2:%llu.1", incarnation);
    snprintf(second, sizeof(second), "s2:%llu.2", incarnation);
    uint64_t one, again, other;
    ok(master_new_region(stage.master, 2, first, &one));
    ok(master_new_region(stage.master, 2, first, &again));
    ok(master_new_region(stage.master, 2, second, &other));
    assert_true(one == again && one != other);
    ok(master_drop_region(stage.master, first));
    ok(master_drop_region(stage.master, first));
    v = catalog_view(stage.catalog);
    assert_int_equal(v->n_regions, 1);
    assert_non_null(catalog_region(v, other));
    catalog_unref(v);
    ok(master_new_region(stage.master, 2, "s2:4711.3", &one)); /* of one who is gone */
    EVENTUALLY(count_regions() == 1);
}

static bool was_asked(const char *what)
{
    pthread_mutex_lock(&stage.lock);
    bool found = stage.asked.data && strstr(stage.asked.data, what);
    pthread_mutex_unlock(&stage.lock);
    return found;
}

/* The running master notices a lost copy and asks for a new one. */
static void master_repairs(void **state)
{
    uint64_t id = create("t");
    const struct catalog_view *v = catalog_view(stage.catalog);
    const struct region *r = catalog_region(v, catalog_table_by_id(v, id)->region);
    _cleanup_(arena_done) struct arena a = {0};
    struct region *next = region_copy(r, &a);
    next->epoch++;
    next->primary = "s1";
    next->n_backups = 0;
    bool swapped;
    ok(catalog_swap_region(stage.catalog, r, next, &swapped));
    assert_true(swapped);
    catalog_unref(v);
    EVENTUALLY(was_asked("0 s2;") || was_asked("0 s3;"));
    assert_int_equal(REPL_ADD_LEARNER, 0);
}

#define STAGED(f) cmocka_unit_test_setup_teardown(f, stage_open, stage_close)

/* An argument runs only the cases whose names match it. */
int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placement),
        cmocka_unit_test(rest),
        cmocka_unit_test(repair),
        cmocka_unit_test(repair_is_limited),
        cmocka_unit_test(drained_server),
        cmocka_unit_test(drained_one_of_two),
        cmocka_unit_test(leaving_server),
        cmocka_unit_test(new_server),
        cmocka_unit_test(random_worlds),
        cmocka_unit_test(incomplete_view),
        STAGED(ddl_create),
        STAGED(ddl_foreign_keys),
        STAGED(ddl_index),
        STAGED(ddl_elsewhere),
        STAGED(ddl_provisional_region),
        STAGED(master_repairs),
    };
    log_threshold = LOG_ERROR;
    snprintf(root, sizeof(root), "/tmp/test_master.XXXXXX");
    if (!mkdtemp(root))
        return 1;
    int failed = cmocka_run_group_tests_name("master", tests, NULL, NULL);
    _cleanup_(mem_freep) char *command = mem_printf("rm -rf %s", root);
    if (system(command) != 0)
        fprintf(stderr, "could not remove %s\n", root);
    return failed;
}
