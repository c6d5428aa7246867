/* plan: which way statements go, and what the scans of each way ask for. */
#include "plan/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static void ok(struct error *e)
{
    if (e)
        print_error("%s: %s\n", e->sqlstate, e->message);
    assert_null(e);
}

/* ---- a catalog: a, b, c in regions of their own, d with a; row counts as set ------------------
 */

struct fixture {
    char dir[64];
    struct coord *coord;
    struct catalog *catalog;
    int64_t rows[4]; /* of a, b, c, d */
    int64_t batch_min_rows;
    struct plan *plan;
};

static void became_master(void *ctx, bool is)
{
}

static void create(struct fixture *f, int i, uint64_t region)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    struct column columns[] = {
        {.name = (char *)"id", .type = OID_INT4, .typmod = -1, .not_null = true},
        {.name = (char *)"k", .type = OID_INT8, .typmod = -1},
        {.name = (char *)"s", .type = OID_TEXT, .typmod = -1},
        {.name = (char *)"x", .type = OID_FLOAT8, .typmod = -1}};
    int key_columns[] = {0}, ref_columns[] = {0}, own[] = {1};
    struct key key = {
        .name = (char *)"pk", .primary = true, .n_columns = 1, .columns = key_columns};
    struct foreign_key fk = {.name = (char *)"fk",
                             .table = 100,
                             .n_columns = 1,
                             .columns = own,
                             .ref_columns = ref_columns,
                             .on_delete = 'a',
                             .on_update = 'a'};
    struct table t = {.id = 100 + (uint64_t)i,
                      .schema = (char *)"public",
                      .name = (char *)names[i],
                      .version = 1,
                      .region = region,
                      .n_columns = 4,
                      .columns = columns,
                      .n_keys = 1,
                      .keys = &key,
                      .n_foreign_keys = i == 3,
                      .foreign_keys = &fk,
                      .ddl = (char *)"CREATE TABLE ..."};
    struct region r = {
        .id = region, .epoch = 1, .schema_version = 1, .copies = 1, .primary = (char *)"s1"};
    ok(catalog_create_table(f->catalog, &t, i == 3 ? NULL : &r));
}

static int set_up(void **state)
{
    struct fixture *f = NEW(struct fixture);
    snprintf(f->dir, sizeof(f->dir), "/tmp/test-plan-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    ok(coord_open("embedded", f->dir, &f->coord));
    ok(catalog_open(f->coord, 5000, &f->catalog));
    struct server self = {.name = (char *)"s1", .address = (char *)"127.0.0.1:1", .region = true};
    ok(catalog_register(f->catalog, &self));
    ok(catalog_campaign(f->catalog, "s1", became_master, NULL));
    for (int i = 0; i < 1000 && !catalog_is_master(f->catalog); i++)
        sleep_ms(5);
    for (int i = 0; i < 4; i++)
        create(f, i, i == 3 ? 11 : 11 + (uint64_t)i);
    f->batch_min_rows = 20000;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    plan_unref(f->plan);
    catalog_close(f->catalog);
    coord_close(f->coord);
    char command[100];
    snprintf(command, sizeof(command), "rm -rf %s", f->dir);
    assert_int_equal(system(command), 0);
    mem_free(f);
    return 0;
}

static int64_t row_count(void *ctx, const struct table *t)
{
    struct fixture *f = ctx;
    return f->rows[t->id - 100];
}

static struct error *try(struct fixture *f, const char *sql)
{
    struct arena arena = {0};
    struct query *q;
    struct column named[] = {{.name = (char *)"n", .type = OID_TEXT, .typmod = -1}};
    static struct table system = {.schema = (char *)"pg_catalog", .name = (char *)"sys"};
    static const struct table *extra[] = {&system};
    system.n_columns = 1;
    system.columns = named;
    struct sql_context ctx = {.view = catalog_view(f->catalog), .extra = extra, .n_extra = 1};
    struct plan_context pc = {
        .view = ctx.view, .ctx = f, .row_count = row_count, .batch_min_rows = f->batch_min_rows};
    plan_unref(f->plan);
    f->plan = NULL;
    struct error *e = sql_analyse_text(sql, &ctx, &arena, &q);
    if (e) {
        arena_done(&arena);
        catalog_unref(ctx.view);
        return e;
    }
    e = plan_new(&pc, q, sql, strlen(sql), &arena, &f->plan);
    assert_null(arena.blocks);
    return e;
}

static const struct plan *planned(struct fixture *f, const char *sql, enum plan_kind kind)
{
    struct error *e = try(f, sql);
    if (e || f->plan->kind != kind)
        print_error("%s\n", sql);
    ok(e);
    assert_int_equal(f->plan->kind, kind);
    return f->plan;
}

static void refused(struct fixture *f, const char *sql, const char *sqlstate)
{
    struct error *e = try(f, sql);
    if (!e)
        print_error("%s\n", sql);
    assert_non_null(e);
    assert_string_equal(e->sqlstate, sqlstate);
    assert_non_null(e->hint);
    error_free(e);
}

static const char *scanned(const struct plan_batch *b, int i)
{
    return b->scans[i].rte->name;
}

/* ---- cases ---------------------------------------------------------------------------------- */

/* A statement goes where its tables are. */
static void test_kinds(void **state)
{
    struct fixture *f = *state;
    planned(f, "select 1", PLAN_CONSTANT);
    planned(f, "values (1), (2)", PLAN_CONSTANT);
    const struct plan *p = planned(f, "select * from a, d where a.id = d.id", PLAN_REGION);
    assert_int_equal(p->region, 11);
    assert_int_equal(p->schema_version, 2);
    assert_false(p->writes);
    planned(f, "select * from a where exists (select 1 from d)", PLAN_REGION);
    planned(f, "select * from a where exists (select 1 from b)", PLAN_BATCH);
    planned(f, "select * from a where not exists (select 1 from b where random() < 0)",
            PLAN_GATHER);
    planned(f, "select * from a union all select * from b", PLAN_GATHER);
    planned(f, "select * from sys", PLAN_GATHER);
    planned(f, "select * from a, sys", PLAN_GATHER);
    planned(f, "select * from a join b on a.id = b.id", PLAN_BATCH);
    assert_true(planned(f, "insert into a values (1, 2, '3', 4)", PLAN_REGION)->writes);
    assert_true(planned(f, "update a set k = (select max(k) from d)", PLAN_REGION)->writes);
    assert_true(planned(f, "select * from b for update", PLAN_REGION)->locks);
    assert_true(planned(f, "select * from a, b for update", PLAN_GATHER)->locks);
    planned(f, "insert into a select * from b", PLAN_INSERT);
    planned(f, "create table z (a int)", PLAN_DDL);
    planned(f, "drop table b", PLAN_DDL);
}

/* What would write by what another region holds is refused with a way out. */
static void test_refused(void **state)
{
    struct fixture *f = *state;
    refused(f, "with x as (delete from a returning id) delete from b where id in (table x)",
            E_UNSUPPORTED);
    refused(f,
            "with x as (delete from a returning id), y as (insert into a values (1, 2, '3', 4) on "
            "conflict (id) do update set k = 1) table x",
            E_UNSUPPORTED);
}

/* A write that reads elsewhere brings what it needs along; what is read after something was written
 * is read before, if the statement changes it. */
static void test_stages(void **state)
{
    struct fixture *f = *state;
    const struct plan *p = planned(f, "update a set k = (select max(k) from b)", PLAN_REGION);
    assert_int_equal(p->region, 11);
    assert_null(p->sql);
    assert_int_equal(p->staged->n_scans, 1);
    assert_int_equal(p->staged->n_stages, 1);
    assert_int_equal(p->staged->n_params, 2); /* the signature, and b */
    assert_true(p->staged->stages[0].counted);
    p = planned(f, "delete from a using d where a.id = d.id returning d.id", PLAN_REGION);
    assert_int_equal(p->staged->n_scans, 0);
    assert_int_equal(p->staged->n_stages, 3);
    assert_true(p->staged->stages[1].counted);
    assert_true(p->staged->stages[2].to_client);
    p = planned(f, "with x as (delete from a returning id) select * from x, a, d", PLAN_REGION);
    assert_int_equal(p->staged->n_stages, 4); /* a and what refers to it as they were, .. */
    assert_true(p->writes);
    p = planned(f, "with x as (delete from a where id in (select id from a) returning id) table x",
                PLAN_REGION);
    assert_int_equal(p->staged->n_stages, 2);
    p = planned(f, "with x as (delete from a returning id), y as (delete from a) table x",
                PLAN_REGION); /* what y may delete; x: find, delete, give; the rows of x; y */
    assert_int_equal(p->staged->n_stages, 7);
    assert_true(p->staged->stages[4].to_client);
    p = planned(f, "delete from a using d where a.id = d.id", PLAN_REGION);
    assert_null(p->staged);
}

/* TRUNCATE empties referring tables first. */
static void test_truncate(void **state)
{
    struct fixture *f = *state;
    const struct plan *p = planned(f, "truncate a, d", PLAN_REGION);
    assert_string_equal(p->sql, "DELETE FROM \"d\"; DELETE FROM \"a\"");
    p = planned(f, "truncate d, a", PLAN_REGION);
    assert_string_equal(p->sql, "DELETE FROM \"d\"; DELETE FROM \"a\"");
    planned(f, "truncate a, b, d", PLAN_TRUNCATE); /* of two regions */
}

/* EXPLAIN plans the statement, and returns lines. */
static void test_explain(void **state)
{
    struct fixture *f = *state;
    const struct plan *p = planned(f, "explain analyze select * from a", PLAN_REGION);
    assert_true(p->explain && p->analyze && p->returns);
    assert_int_equal(p->n_columns, 1);
    assert_string_equal(p->columns[0].name, "QUERY PLAN");
    assert_string_equal(p->text, "select * from a");
}

/* A gather plan pulls the columns that are read and the rows that pass, a table for each reference.
 */
static void test_gather(void **state)
{
    struct fixture *f = *state;
    const struct plan_gather *g =
        planned(f,
                "select x.k from a x where x.s = 'q' and x.k in (select b.k from b where b.id > 5) "
                "union select y.k from a y",
                PLAN_GATHER)
            ->gather;
    assert_int_equal(g->n_scans, 3);
    int n = 0;
    for (int i = 0; i < 3; i++) {
        const struct plan_scan *s = &g->scans[i];
        if (strcmp(s->rte->name, "x") == 0) {
            assert_int_equal(s->n_columns, 2); /* k, s */
            assert_non_null(strstr(s->sql, "'q'"));
        } else if (strcmp(s->rte->name, "y") == 0) {
            assert_int_equal(s->n_columns, 1);
            assert_null(strstr(s->sql, "WHERE"));
        } else {
            assert_int_equal(s->region, 12);
            assert_non_null(strstr(s->sql, "5"));
        }
        assert_non_null(strstr(g->sql, g->names[i]));
        n++;
    }
    assert_int_equal(n, 3);
    assert_null(strstr(g->sql, "\"a\" AS"));
    g = planned(f, "select count(*) from a x cross join b where exists (select 1)", PLAN_GATHER)
            ->gather;
    assert_int_equal(g->scans[0].n_columns, 0);
}

/* The largest table streams; the others are joined smallest first, as far as they are connected. */
static void test_join_order(void **state)
{
    struct fixture *f = *state;
    f->rows[0] = 100, f->rows[1] = 100000, f->rows[2] = 10;
    const struct plan_batch *b =
        planned(f, "select a.x from a, b, c where a.id = b.id and b.k = c.k", PLAN_BATCH)->batch;
    assert_string_equal(scanned(b, 0), "b");
    assert_string_equal(scanned(b, 1), "c");
    assert_string_equal(scanned(b, 2), "a");
    assert_int_equal(b->joins[0].n_keys, 1);
    assert_int_equal(b->joins[1].n_keys, 1);
    assert_int_equal(b->joins[1].outer[0].scan, 0);
    assert_int_equal(b->n_where, 0);
    /* c hangs on a, so it has to wait for it */
    b = planned(f, "select a.x from a, b, c where a.id = b.id and a.k = c.k", PLAN_BATCH)->batch;
    assert_string_equal(scanned(b, 1), "a");
    assert_string_equal(scanned(b, 2), "c");
    assert_int_equal(b->joins[1].outer[0].scan, 1);
}

/* Keys that are expressions over one table are computed by its scan. */
static void test_computed_keys(void **state)
{
    struct fixture *f = *state;
    const struct plan_batch *b =
        planned(f, "select a.x from a join b on a.id + 1 = b.id * 2 and a.k = b.k", PLAN_BATCH)
            ->batch;
    assert_int_equal(b->joins[0].n_keys, 2);
    for (int i = 0; i < 2; i++) {
        const struct plan_scan *s = &b->scans[i];
        assert_non_null(s->computed);
        assert_int_equal(s->columns[s->n_columns - 1], -1);
    }
    assert_int_equal(b->n_where, 0);
    assert_int_equal(b->n_slots, 3); /* a.x, a.k, b.k */
    /* over two tables: a condition of a cross join */
    b = planned(f, "select a.x from a, b, c where a.id + b.id = c.id", PLAN_BATCH)->batch;
    assert_int_equal(b->joins[1].n_keys, 0);
    assert_int_equal(b->n_where, 1);
    b = planned(f, "select a.x from a join b on a.id is not distinct from b.id", PLAN_BATCH)->batch;
    assert_true(b->joins[0].nulls);
}

/* What a join multiplies rows by counts: b.k has few values, b.id is a key. */
static void test_join_fanout(void **state)
{
    struct fixture *f = *state;
    f->rows[0] = 100000, f->rows[1] = 10000, f->rows[2] = 20000;
    const struct plan_batch *b =
        planned(f, "select a.x from a, b, c where a.k = b.k and a.id = c.id and c.k = b.id",
                PLAN_BATCH)
            ->batch;
    assert_string_equal(scanned(b, 1), "c");
    assert_string_equal(scanned(b, 2), "b");
    assert_int_equal(b->joins[1].n_keys, 2);
}

/* A left join keeps its side and its conditions, and comes after what it depends on. */
static void test_left_join(void **state)
{
    struct fixture *f = *state;
    f->rows[0] = 10, f->rows[1] = 100000, f->rows[2] = 1000;
    const struct plan_batch *b =
        planned(
            f,
            "select a.x, b.x from a left join b on a.id = b.id and b.k > 3 and a.x < b.x join c "
            "on c.id = a.id where b.s is null",
            PLAN_BATCH)
            ->batch;
    assert_string_equal(scanned(b, 0), "c");
    assert_string_equal(scanned(b, 1), "a");
    assert_string_equal(scanned(b, 2), "b");
    const struct plan_join *j = &b->joins[1];
    assert_int_equal(j->kind, PLAN_JOIN_LEFT);
    assert_int_equal(j->n_keys, 1);
    assert_int_equal(j->outer[0].scan, 1);
    assert_int_equal(j->n_on, 1); /* a.x < b.x */
    assert_non_null(strstr(b->scans[2].sql, "3"));
    assert_null(strstr(b->scans[2].sql, "IS NULL"));
    assert_int_equal(b->n_where, 1);
    assert_int_equal(b->joins[0].kind, PLAN_JOIN_INNER);
}

/* Subqueries of conditions are joins: EXISTS, IN, aggregates of what belongs to a row. */
static void test_subqueries(void **state)
{
    struct fixture *f = *state;
    const struct plan_batch *b =
        planned(f,
                "select a.x from a where exists (select 1 from b where b.k = a.k and b.x < a.x) "
                "and not exists (select 1 from c where c.id = a.id)",
                PLAN_BATCH)
            ->batch;
    assert_int_equal(b->n_joins, 2);
    assert_int_equal(b->joins[0].kind, PLAN_JOIN_SEMI);
    assert_int_equal(b->joins[0].n_keys, 1);
    assert_int_equal(b->joins[0].n_on, 1);
    assert_int_equal(b->joins[1].kind, PLAN_JOIN_ANTI);
    assert_int_equal(b->n_where, 0);
    assert_int_equal(b->n_leaves, 3);
    b = planned(f,
                "select a.x from a where a.x > (select sum(x) from b where b.k = a.k) "
                "and a.k < (select max(k) from c)",
                PLAN_BATCH)
            ->batch;
    assert_int_equal(b->n_subs, 2);
    assert_int_equal(b->joins[0].kind, PLAN_JOIN_LEFT);
    assert_true(b->scans[1].sub->grouped);
    assert_non_null(b->subs[0].once); /* the cheaper condition comes first */
    assert_int_equal(b->n_where, 2);
}

/* Scans bring what is read above them, and no more. */
static void test_columns(void **state)
{
    struct fixture *f = *state;
    const struct plan_batch *b =
        planned(f, "select sum(a.x) from a join b on a.id = b.id where a.s = 'y' and b.k = 1",
                PLAN_BATCH)
            ->batch;
    int total = 0;
    for (int i = 0; i < 2; i++) {
        total += b->scans[i].n_columns;
        assert_non_null(strstr(b->scans[i].sql, "WHERE"));
    }
    assert_int_equal(total, 3); /* a.id, a.x, b.id */
    assert_int_equal(b->n_slots, 3);
    assert_int_equal(b->n_where, 0);
    assert_true(b->grouped);
    for (int s = 0; s < b->n_slots; s++)
        assert_true(b->slot[s].column < b->scans[b->slot[s].scan].n_columns);
}

/* What the batch executor does not cover goes through SQLite. */
static void test_not_covered(void **state)
{
    struct fixture *f = *state;
    static const char *const cases[] = {
        "select count(distinct a.x) from a join b on a.id = b.id",
        "select a.x from a full join b on a.id = b.id",
        "select a.x from a left join (b join c on b.id = c.id) on a.id = b.id",
        "select a.x, row_number() over () from a join b on a.id = b.id",
        "select a.x from a join b on a.id = b.id where random() < 2",
        "select a.x from a join b on a.id = b.id where a.k not in (select k from c)",
        "select a.x from a join b on a.id = b.id where (select count(*) from c where c.k = a.k) = "
        "0",
        "with t as (select * from c) select 1 from t x join t y on x.k = y.k join a on a.id = x.id",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        planned(f, cases[i], PLAN_GATHER);
}

static void index_expression(struct fixture *f, const char *table, const char *sql)
{
    _cleanup_(arena_done) struct arena a = {0};
    const struct catalog_view *v = catalog_view(f->catalog);
    const struct table *t = catalog_table(v, "public", table);
    struct table *next = table_copy(t, &a);
    int first = -1;
    bool up = false;
    struct index_expression e = {(char *)(uintptr_t)sql, (char *)"e", OID_TEXT, -1};
    struct index x = {.name = (char *)"by_expression",
                      .n_columns = 1,
                      .columns = &first,
                      .n_expressions = 1,
                      .expressions = &e,
                      .descending = &up,
                      .ddl = (char *)"CREATE INDEX ..."};
    next->indexes = &x;
    next->n_indexes = 1;
    ok(catalog_replace_table(f->catalog, t, next));
    catalog_unref(v);
}

/* In one region the rows decide, and whether a key leads to few of them. */
static void test_one_region(void **state)
{
    struct fixture *f = *state;
    static const char *const grouped = "select s, sum(x) from a group by s";
    f->rows[0] = 19999;
    planned(f, grouped, PLAN_REGION);
    f->rows[0] = 20000;
    const struct plan *p = planned(f, grouped, PLAN_BATCH);
    assert_int_equal(p->region, 11);
    assert_non_null(p->gather);
    planned(f, "select sum(x) from a", PLAN_REGION);
    planned(f, "select s, x from a", PLAN_REGION);
    planned(f, "select a.x from a, d where a.k = d.k", PLAN_REGION);
    planned(f, "select sum(a.x) from a, d where a.k = d.k", PLAN_BATCH);
    planned(f, "select s, sum(x) from a where id = 7 group by s", PLAN_REGION);
    planned(f, "select s, sum(x) from a where id > 7 group by s", PLAN_BATCH);
    static const char *const by_expression =
        "select s, sum(x) from a where lower(s) = 'q' group by s";
    planned(f, by_expression, PLAN_BATCH);
    index_expression(f, "a", "lower(s)");
    planned(f, by_expression, PLAN_REGION);
    planned(f, "select s, sum(x) from a where upper(s) = 'q' group by s", PLAN_BATCH);
    planned(f, "select s, sum(x) from a where lower(s) > 'q' group by s", PLAN_BATCH);
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_kinds),      CASE(test_refused),       CASE(test_truncate),
        CASE(test_explain),    CASE(test_kinds),         CASE(test_stages),
        CASE(test_truncate),   CASE(test_explain),       CASE(test_gather),
        CASE(test_join_order), CASE(test_computed_keys), CASE(test_join_fanout),
        CASE(test_left_join),  CASE(test_columns),       CASE(test_not_covered),
        CASE(test_subqueries), CASE(test_one_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
