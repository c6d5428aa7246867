/*
 * sql: what PostgreSQL text means, shown by running the SQLite text that it becomes.
 *
 * Most cases are rows of a table: a statement and the rows that PostgreSQL 15 gives for it, or a
 * statement and PostgreSQL's error (SQLSTATE, message, cursor position). A few golden texts pin
 * down how the emitted SQL looks where that matters (index use, filters pushed to scans).
 */
#include "sql/sql.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- a catalog by hand -------------------------------------------------------------------- */

/* These stand in for catalog/'s own: a view here is nothing but its public part. */
const struct table *catalog_table(const struct catalog_view *v, const char *schema,
                                  const char *name)
{
    for (size_t i = 0; i < v->n_tables; i++) {
        if (strcmp(v->tables[i]->name, name) == 0 && strcmp(v->tables[i]->schema, schema) == 0)
            return v->tables[i];
    }
    return NULL;
}

struct table *table_copy(const struct table *t, struct arena *a)
{
    struct table *copy = ARENA_NEW(a, struct table);
    *copy = *t;
    return copy;
}

const struct table *catalog_table_by_id(const struct catalog_view *v, uint64_t id)
{
    for (size_t i = 0; i < v->n_tables; i++) {
        if (v->tables[i]->id == id)
            return v->tables[i];
    }
    return NULL;
}

const struct table *catalog_key(const struct catalog_view *v, const char *schema, const char *name)
{
    for (size_t i = 0; i < v->n_tables; i++)
        for (int k = 0; k < v->tables[i]->n_keys; k++)
            if (strcmp(v->tables[i]->keys[k].name, name) == 0)
                return v->tables[i];
    return NULL;
}

const struct table *catalog_index(const struct catalog_view *v, const char *schema,
                                  const char *name, const struct index **ret)
{
    for (size_t i = 0; i < v->n_tables; i++) {
        for (int k = 0; k < v->tables[i]->n_indexes; k++) {
            if (strcmp(v->tables[i]->indexes[k].name, name) != 0)
                continue;
            if (ret)
                *ret = &v->tables[i]->indexes[k];
            return v->tables[i];
        }
    }
    return NULL;
}

const struct sequence *catalog_sequence(const struct catalog_view *v, const char *schema,
                                        const char *name)
{
    for (size_t i = 0; i < v->n_sequences; i++) {
        if (strcmp(v->sequences[i]->name, name) == 0)
            return v->sequences[i];
    }
    return NULL;
}

const struct sequence *catalog_sequence_by_id(const struct catalog_view *v, uint64_t id)
{
    for (size_t i = 0; i < v->n_sequences; i++) {
        if (v->sequences[i]->id == id)
            return v->sequences[i];
    }
    return NULL;
}

const struct table *catalog_sequence_owner(const struct catalog_view *v, uint64_t sequence,
                                           int *ret_column)
{
    return NULL;
}

int table_column(const struct table *t, const char *name)
{
    for (int i = 0; i < t->n_columns; i++) {
        if (strcmp(t->columns[i].name, name) == 0)
            return i;
    }
    return -1;
}

uint32_t catalog_schema(const struct catalog_view *v, const char *name)
{
    return strcmp(name, "public") == 0 ? 2200 : 0;
}

const struct object *catalog_object(const struct catalog_view *v, enum object_kind kind,
                                    const char *schema, const char *name)
{
    return NULL;
}

const struct object *catalog_object_by_id(const struct catalog_view *v, uint64_t id)
{
    return NULL;
}

bool catalog_database(const struct catalog_view *v, const char *name, uint64_t *ret_id)
{
    *ret_id = 0;
    return strcmp(name, CATALOG_FIRST_DATABASE) == 0;
}

const struct catalog_view *catalog_of_database(const struct catalog_view *v, uint64_t database)
{
    return v;
}

const struct object *catalog_next_view(const struct catalog_view *v, size_t *i)
{
    return NULL;
}

const struct object *catalog_domain(const struct catalog_view *v, uint32_t oid)
{
    return NULL;
}

const struct object *catalog_type(const struct catalog_view *v, const char *schema,
                                  const char *name)
{
    return NULL;
}

const struct object *catalog_next_type(const struct catalog_view *v, size_t *i)
{
    return NULL;
}

bool column_has_type(const struct column *c, const struct object *type)
{
    return false;
}

const struct catalog_view *catalog_view_with(const struct catalog_view *v, const char *records)
{
    return v;
}

struct object *object_copy(const struct object *o, struct arena *a)
{
    return NULL;
}

const char *table_file_name(const struct table *t)
{
    return t->name;
}

const char *index_file_name(const struct index *x)
{
    return x->name;
}

char *catalog_file_name(const struct catalog_view *v, const char *schema, const char *name,
                        struct arena *a)
{
    return arena_strdup(a, name);
}

/* ---- the world of a test ------------------------------------------------------------------- */

enum { MAX_TABLES = 32 };

struct world {
    sqlite3 *db;
    struct arena arena;
    struct catalog_view view; /* .all is itself */
    const struct table *tables[MAX_TABLES];
    struct sql_context context;
};

static void fail_with(const struct error *e, const char *sql)
{
    fail_msg("%s\n  %s: %s (at %d)", sql, e->sqlstate, e->message, e->position);
}

static struct query *analyse(struct world *w, const char *sql)
{
    struct query *q = NULL;
    struct error *e = sql_analyse_text(sql, &w->context, &w->arena, &q);
    if (e)
        fail_with(e, sql);
    return q;
}

static void execute(struct world *w, const char *text)
{
    if (sqlite3_exec(w->db, text, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s\n  %s", text, sqlite3_errmsg(w->db));
}

static void create(struct world *w, const char *sql)
{
    struct query *q = analyse(w, sql);
    struct table *t = q->create_table.table;
    assert_int_equal(q->kind, QUERY_CREATE_TABLE);
    t->id = w->view.n_tables + 1;
    t->region = 1;
    for (int i = 0; i < t->n_foreign_keys; i++) {
        if (!t->foreign_keys[i].table)
            t->foreign_keys[i].table = t->id;
    }
    w->tables[w->view.n_tables++] = t;
    execute(w, t->ddl);
}

static void print_row(sqlite3_stmt *stmt, const struct query *q, struct buf *out)
{
    for (int i = 0; i < q->n_columns; i++) {
        struct value v = value_from_column(stmt, i);
        const struct type *t = type_by_oid(q->columns[i].type);
        buf_puts(out, i ? "|" : "");
        if (v.kind == VALUE_NULL) {
            buf_puts(out, "NULL");
            continue;
        }
        if (v.kind != t->storage)
            fail_msg("column %s holds another kind of value than its type", q->columns[i].name);
        type_print(t, &v, q->columns[i].typmod, out);
    }
}

/* Runs a statement; the rows as "1|a;2|NULL". Parameters are bound from texts of their types. */
static struct error *run_with(struct world *w, const char *sql, const char *const *params,
                              char **ret)
{
    struct query *q;
    struct buf text = {0}, out = {0};
    TRY(sql_analyse_text(sql, &w->context, &w->arena, &q));
    struct error *e = sql_emit(q, NULL, &text);
    sqlite3_stmt *stmt = NULL;
    if (!e && sqlite3_prepare_v2(w->db, text.data, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s\n%s\n  %s", sql, text.data, sqlite3_errmsg(w->db));
    for (int i = 0; !e && params && i < q->n_params; i++) {
        struct value v = {.kind = VALUE_NULL};
        if (params[i])
            e = type_parse(type_by_oid(q->params[i]), params[i], strlen(params[i]), -1, &w->arena,
                           &v);
        value_bind(stmt, i + 1, &v);
    }
    int rc = SQLITE_DONE;
    while (!e && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        buf_puts(&out, out.len ? ";" : "");
        print_row(stmt, q, &out);
    }
    if (!e && rc != SQLITE_DONE)
        e = sql_name_constraint(&w->view, q, types_sqlite_error(w->db, rc));
    sqlite3_finalize(stmt);
    *ret = arena_strdup(&w->arena, out.data ? out.data : "");
    buf_done(&text);
    buf_done(&out);
    return e;
}

static const char *run(struct world *w, const char *sql)
{
    char *rows;
    struct error *e = run_with(w, sql, NULL, &rows);
    if (e)
        fail_with(e, sql);
    return rows;
}

static const char *emitted(struct world *w, const char *sql)
{
    struct buf text = {0};
    struct error *e = sql_emit(analyse(w, sql), NULL, &text);
    if (e)
        fail_with(e, sql);
    char *copy = arena_strdup(&w->arena, text.data);
    buf_done(&text);
    return copy;
}

static int setup(void **state)
{
    struct world *w = NEW(struct world);
    assert_int_equal(sqlite3_open(":memory:", &w->db), SQLITE_OK);
    execute(w, "PRAGMA foreign_keys = on");
    assert_null(types_register(w->db));
    w->view.tables = w->tables;
    w->view.all = &w->view;
    w->context.view = &w->view;
    create(w, "CREATE TABLE a (id int PRIMARY KEY, v text, n int)");
    create(w, "CREATE TABLE b (id int PRIMARY KEY, aid int REFERENCES a ON DELETE CASCADE, "
              "w varchar(5) DEFAULT 'dflt', f boolean NOT NULL DEFAULT true, CHECK (aid > 0))");
    create(w, "CREATE TABLE c (k bigint, id int, \"Mixed\" text, x float8, PRIMARY KEY (k, id))");
    create(w, "CREATE TABLE s (name char(6) UNIQUE, score float4, small smallint)");
    run(w, "INSERT INTO a VALUES (1, 'one', 10), (2, 'two', 20), (3, NULL, NULL)");
    run(w, "INSERT INTO b VALUES (1, 1, 'x', true), (2, 2, 'y', false), (3, NULL, 'z', true)");
    run(w, "INSERT INTO c VALUES (1, 2, 'M', 0.5), (2, 3, 'N', NULL), (9, 9, NULL, -1)");
    run(w, "INSERT INTO s VALUES ('ann', 1.5, 1), ('bob', 2.25, 2)");
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    sqlite3_close(w->db);
    arena_done(&w->arena);
    mem_free(w);
    return 0;
}

struct rows_case {
    const char *sql, *rows;
};

static void check_rows(struct world *w, const struct rows_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *rows = run(w, cases[i].sql);
        if (strcmp(rows, cases[i].rows) != 0)
            fail_msg("%s\n  gives    %s\n  expected %s\n  %s", cases[i].sql, rows, cases[i].rows,
                     emitted(w, cases[i].sql));
    }
}

struct error_case {
    const char *sql, *sqlstate, *message;
    int position;
};

static void check_errors(struct world *w, const struct error_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *rows = "";
        struct error *e = run_with(w, cases[i].sql, NULL, &rows);
        if (!e)
            fail_msg("%s\n  gives %s, expected %s: %s", cases[i].sql, rows, cases[i].sqlstate,
                     cases[i].message);
        if (!error_is(e, cases[i].sqlstate) || strcmp(e->message, cases[i].message) != 0 ||
            e->position != cases[i].position)
            fail_msg("%s\n  gives    %s: %s (at %d)\n  expected %s: %s (at %d)", cases[i].sql,
                     e->sqlstate, e->message, e->position, cases[i].sqlstate, cases[i].message,
                     cases[i].position);
        if (error_is(e, E_UNSUPPORTED) && !e->hint && strstr(e->message, "not supported"))
            fail_msg("%s\n  says that something is not supported, but not what to do instead",
                     cases[i].sql);
        error_free(e);
    }
}

#define CHECK_ROWS(w, ...)                                                                         \
    do {                                                                                           \
        static const struct rows_case cases_[] = {__VA_ARGS__};                                    \
        check_rows(w, cases_, ARRAY_LEN(cases_));                                                  \
    } while (0)
#define CHECK_ERRORS(w, ...)                                                                       \
    do {                                                                                           \
        static const struct error_case cases_[] = {__VA_ARGS__};                                   \
        check_errors(w, cases_, ARRAY_LEN(cases_));                                                \
    } while (0)

/* ---- parsing ------------------------------------------------------------------------------------
 */

/* A script is cut into statements, each with its own bytes of the text. */
static void test_script(void **state)
{
    struct world *w = *state;
    const char *text =
        " select 'é;' ; -- nothing\n ;; select 2 from a join b;insert into a values (9)";
    struct sql_script s;
    assert_null(sql_parse(text, &w->arena, &s));
    assert_int_equal(s.n_stmts, 3);
    static const char *const expected[] = {"select 'é;'", "select 2 from a join b",
                                           "insert into a values (9)"};
    for (int i = 0; i < 3; i++) {
        const char *at = text + s.stmts[i].offset;
        const char *found = strstr(at, expected[i]); /* comments before a statement belong to it */
        assert_non_null(found);
        assert_int_equal(found + strlen(expected[i]) - at, s.stmts[i].len);
    }
    sql_script_done(&s);
    assert_null(sql_parse(" -- only this", &w->arena, &s));
    assert_int_equal(s.n_stmts, 0);
    sql_script_done(&s);
}

/* A syntax error stands where PostgreSQL puts it, counted in characters. */
static void test_syntax_errors(void **state)
{
    CHECK_ERRORS(
        *state, {"selec 1", "42601", "syntax error at or near \"selec\"", 1},
        {"select 'é', from a", "42601", "syntax error at or near \"from\"", 13},
        {"select * from", "42601", "syntax error at end of input", 14},
        {"select 'abc", "42601", "unterminated quoted string at or near \"'abc\"", 8},
        {"select * from a join b on a.id = = 3", "42601", "syntax error at or near \"=\"", 34},
        {"select * from a join b where x y", "42601", "syntax error at or near \"y\"", 32},
        {"select 1; select 2", "42601", "cannot insert multiple commands into a prepared statement",
         0});
}

/* JOIN without ON is a cross join, wherever it stands; conditions after it belong to the last join.
 */
static void test_join_without_on(void **state)
{
    CHECK_ROWS(*state, {"select count(*) from a join b", "9"},
               {"select count(*) from a join b join c", "27"},
               {"select count(*) from a join b where a.id = b.aid", "2"},
               {"select a.id, b.id, c.k from a join b join c on a.id = c.k order by 1, 2 limit 2",
                "1|1|1;1|2|1"},
               {"select count(*) from a join b left join c on c.k = a.id", "9"},
               {"select count(*) from (a join b) join c on c.k = a.id", "6"},
               {"select count(*) from a join (b join c on b.id = c.k)", "6"},
               {"select count(*) from (select a.id from a join b) x join c", "27"},
               {"select count(*) from a join b; -- and a comment", "9"});
}

/* Nesting is limited, by an error and not by the stack. */
static void test_depth(void **state)
{
    struct world *w = *state;
    struct buf deep = {0};
    buf_puts(&deep, "select 1");
    for (int i = 0; i < 20000; i++)
        buf_puts(&deep, "+1");
    struct query *q;
    struct error *e = sql_analyse_text(deep.data, &w->context, &w->arena, &q);
    assert_true(error_is(e, "54001"));
    assert_string_equal(e->message, "stack depth limit exceeded");
    error_free(e);
    buf_clear(&deep);
    buf_puts(&deep, "select ");
    for (int i = 0; i < 3000; i++)
        buf_puts(&deep, "(");
    e = sql_analyse_text(deep.data, &w->context, &w->arena, &q);
    assert_non_null(e);
    error_free(e);
    /* but what people write passes SQLite's smaller limits */
    static const char *const chains[] = {" + 1", " || ''", " + -(-n)"};
    for (size_t i = 0; i < ARRAY_LEN(chains); i++) {
        buf_clear(&deep);
        buf_printf(&deep, "select count(*) from a where n%s", i == 1 ? "::text" : "");
        for (int k = 0; k < (i == 2 ? 120 : 390); k++)
            buf_puts(&deep, chains[i]);
        buf_puts(&deep, i == 1 ? " = '10'" : " > 390");
        assert_string_equal(run(w, deep.data), i == 1 ? "1" : "2");
    }
    buf_clear(&deep);
    buf_puts(&deep, "select sum(n)");
    for (int k = 0; k < 15; k++)
        buf_puts(&deep, " + max(id)");
    buf_puts(&deep, " from a");
    assert_string_equal(run(w, deep.data), "75");
    /* a long chain is not a deep one */
    buf_clear(&deep);
    buf_puts(&deep, "select count(*) from a where id = 1");
    for (int i = 0; i < 5000; i++)
        buf_printf(&deep, " or id = %d", i);
    assert_string_equal(run(w, deep.data), "3");
    buf_done(&deep);
}

/* ---- expressions
 * ------------------------------------------------------------------------------------ */

/* Literals take the type of their context, operators PostgreSQL's types. */
static void test_expressions(void **state)
{
    CHECK_ROWS(
        *state, {"select '1' = 1, 1.5 + 1, 1.5::float8, 7 / 2, -7 % 3, 2 ^ 3", "t|2.5|1.5|3|-1|8"},
        {"select 'a' || 1, 1 || 'b', 'a' || true, 'x' || null", "a1|1b|atrue|NULL"},
        {"select 'a' like 'A', 'a' ilike 'A', 'abc' like 'a%', 'abc' not like '_b_'", "f|t|t|f"},
        {"select 5 between 1 and 9, 5 not between symmetric 9 and 1", "t|f"},
        {"select 1 is distinct from null, null is not distinct from null", "t|t"},
        {"select null::bool is true, true is not false, null is null", "f|t|t"},
        {"select 2 in (1, 2.0), 3 in (1, null), 3 not in (1, 2)", "t|NULL|t"},
        {"select greatest(1, null, 3), least(2, 1.5), least(null, null)", "3|1.5|NULL"},
        {"select coalesce(null, 'a'), nullif(1, 1), nullif('a', 'b')", "a|NULL|a"},
        {"select case 2 when 1 then 'a' when 2 then 'b' end, case when false then 1 end", "b|NULL"},
        {"select (1, 2) < (1, 3), (1, 'a') = (1, 'b'), (1, null) = (1, 2)", "t|f|NULL"},
        {"select 'abcdef'::varchar(3), 'ab'::char(4), 1::bool, 't'::bool, 12::text",
         "abc|ab  |t|t|12"},
        {"select -2147483648, 2147483648, 9223372036854775808",
         "-2147483648|2147483648|9223372036854775808"},
        {"select 'infinity'::float8, 1e2 * 10, 0.1::float4", "Infinity|1000|0.1"},
        {"select length('ab '::char(5)), 'x'::char(3) || '|'", "2|x|"},
        {"select true and null, true or null, not null::bool", "NULL|t|NULL"},
        {"select current_schema, current_database()", "public|minisql"});
}

/* What overflows or divides by zero is an error, not another number. */
static void test_arithmetic_errors(void **state)
{
    CHECK_ERRORS(*state, {"select 1/0", "22012", "division by zero", 0},
                 {"select 2147483647 + 1", "22003", "integer out of range", 0},
                 {"select 9223372036854775807 + 1", "22003", "bigint out of range", 0},
                 {"select 70000::smallint", "22003", "smallint out of range", 0},
                 {"insert into s values ('x', 1, 40000)", "22003", "smallint out of range", 0});
}

/* Names that do not fit, types that do not fit. */
static void test_name_and_type_errors(void **state)
{
    CHECK_ERRORS(
        *state, {"select * from nope", "42P01", "relation \"nope\" does not exist", 15},
        {"select nope from a", "42703", "column \"nope\" does not exist", 8},
        {"select a.nope from a", "42703", "column a.nope does not exist", 8},
        {"select x.id from a", "42P01", "missing FROM-clause entry for table \"x\"", 8},
        {"select a.id from a x", "42P01", "invalid reference to FROM-clause entry for table \"a\"",
         8},
        {"select id from a, b", "42702", "column reference \"id\" is ambiguous", 8},
        {"select * from a, a", "42712", "table name \"a\" specified more than once", 0},
        {"select 1 from a where id", "42804",
         "argument of WHERE must be type boolean, not type integer", 23},
        {"select not 1", "42804", "argument of NOT must be type boolean, not type integer", 12},
        {"select 'x' = 1", "22P02", "invalid input syntax for type integer: \"x\"", 8},
        {"select id from a where id = 'abc'", "22P02",
         "invalid input syntax for type integer: \"abc\"", 29},
        {"select case when true then 1 else true end", "42804",
         "CASE types boolean and integer cannot be matched", 28},
        {"select 1 union select true", "42804", "UNION types integer and boolean cannot be matched",
         23},
        {"select 1 union select 1, 2", "42601",
         "each UNION query must have the same number of columns", 23},
        {"select nope(1)", "42883", "function nope(integer) does not exist", 8},
        {"select id || f from b", "42883", "operator does not exist: integer || boolean", 11},
        {"select 1::nope", "42704", "type \"nope\" does not exist", 11},
        {"select true::float8", "42846", "cannot cast type boolean to double precision", 12},
        {"select * from a limit id", "42P10", "argument of LIMIT must not contain variables", 23},
        {"select * from a limit -1", "2201W", "LIMIT must not be negative", 0},
        {"select *", "42601", "SELECT * with no tables specified is not valid", 8});
}

/* ---- selects
 * ------------------------------------------------------------------------------------------- */

/* Joins of every kind, USING and NATURAL with their merged columns. */
static void test_joins(void **state)
{
    CHECK_ROWS(
        *state,
        {"select a.id, b.id from a left join b on a.id = b.aid order by 1", "1|1;2|2;3|NULL"},
        {"select a.id, b.id from a right join b on a.id = b.aid order by 2", "1|1;2|2;NULL|3"},
        {"select a.id, b.id from a full join b on a.id = b.aid order by 1, 2",
         "1|1;2|2;3|NULL;NULL|3"},
        {"select id, v, w from a join b using (id) where id < 3", "1|one|x;2|two|y"},
        {"select id, n, x from a full join c using (id) order by id",
         "1|10|NULL;2|20|0.5;3|NULL|NULL;9|NULL|-1"},
        {"select * from a natural join c order by 1", "2|two|20|1|M|0.5;3|NULL|NULL|2|N|NULL"},
        {"select a = a from a", "t;t;t"},
        {"select x.id, y.id from a x join a y on x.id = y.id + 1 order by 1", "2|1;3|2"},
        {"select j.p, q from (a join b on a.id = b.aid) as j(p, q) order by 1", "1|one;2|two"},
        {"select count(*) from a, b right join c on b.id = c.k", "9"},
        {"select a.id from a left join (b join c on b.id = c.k) on a.id = b.aid where c.k is null",
         "3"});
}

/* NULLs sort last when ascending, first when descending, unless told otherwise. */
static void test_order(void **state)
{
    CHECK_ROWS(*state, {"select n from a order by n", "10;20;NULL"},
               {"select n from a order by n desc", "NULL;20;10"},
               {"select n from a order by n nulls first", "NULL;10;20"},
               {"select n from a order by n desc nulls last", "20;10;NULL"},
               {"select n as k from a order by k desc limit 1 offset 1", "20"},
               {"select id from a order by 1 desc fetch first 2 rows only", "3;2"},
               {"select v from a order by -id", "NULL;two;one"},
               {"select id from a limit null", "1;2;3"},
               {"select x from (values (9.0), (10.0), (1.50)) as t(x) order by x", "1.50;9.0;10.0"},
               {"values (2, 'b'), (1, 'a') order by 1", "1|a;2|b"});
    CHECK_ERRORS(*state,
                 {"select 1 order by 2", "42P10", "ORDER BY position 2 is not in select list", 19},
                 {"select distinct v from a order by id", "42P10",
                  "for SELECT DISTINCT, ORDER BY expressions must appear in select list", 35});
    struct world *w = *state;
    /* what cannot be NULL is ordered by the index as it is */
    assert_string_equal(emitted(w, "select v from a order by id"),
                        "SELECT \"a\".\"v\" FROM \"a\" ORDER BY \"a\".\"id\"");
}

/* Grouping: what may stand in the select list, positions, aliases, dependence on a primary key. */
static void test_grouping(void **state)
{
    CHECK_ROWS(*state, {"select f, count(*) from b group by f order by f", "f|1;t|2"},
               {"select f as g, count(*) from b group by g order by 1", "f|1;t|2"},
               {"select n + 1, count(*) from a group by 1 order by 1", "11|1;21|1;NULL|1"},
               {"select v, count(*) from a group by id order by id", "one|1;two|1;NULL|1"},
               {"select count(*), sum(n), avg(n), max(v) from a", "3|30|15.0000000000000000|two"},
               {"select count(*) filter (where n > 10), count(distinct f) from a, b", "3|2"},
               {"select count(*) from a having count(*) > 5", ""}, {"select 1 having true", "1"},
               {"select 'x' from a having count(*) > 1", "x"},
               {"select 'x' from a having count(*) > 99", ""},
               {"select f from b group by f having count(*) > 1", "t"},
               {"select count(*) from a where false", "0"},
               {"select string_agg(v, ',') from a where id < 2", "one"},
               {"select x, count(*) from (values (1.0), (1.00), (2)) t(x) group by x order by x",
                "1.0|2;2|1"});
    CHECK_ERRORS(
        *state,
        {"select v, count(*) from a", "42803",
         "column \"a.v\" must appear in the GROUP BY clause or be used in an aggregate function",
         8},
        {"select v from a group by n", "42803",
         "column \"a.v\" must appear in the GROUP BY clause or be used in an aggregate function",
         8},
        {"select n, (select max(id) from b where aid = a.id) from a group by n", "42803",
         "subquery uses ungrouped column \"a.id\" from outer query", 46},
        {"select 1 from a where count(*) > 1", "42803",
         "aggregate functions are not allowed in WHERE", 23},
        {"select sum(count(*)) from a", "42803", "aggregate function calls cannot be nested", 12},
        {"select 1 group by 5", "42P10", "GROUP BY position 5 is not in select list", 19});
}

/* DISTINCT, DISTINCT ON, set operations with their precedence and ALL. */
static void test_sets(void **state)
{
    CHECK_ROWS(
        *state, {"select distinct f from b order by f", "f;t"},
        {"select distinct on (f) f, id from b order by f, id desc", "f|2;t|3"},
        {"select 1 union select 1 union all select 1", "1;1"},
        {"select 1 union all select 2 intersect select 2", "1;2"},
        {"(select 1 union all select 1 union all select 2) except all select 1 order by 1", "1;2"},
        {"select 1 intersect all select 1", "1"},
        {"select 1 union (select 2 order by 1 limit 1) union select 3 order by 1 desc", "3;2;1"},
        {"select count(*) from (select 1 union select 1.0) t", "1"},
        {"select null union select 5 order by 1", "5;NULL"},
        {"select 'a' as x union select v from a where id = 1 order by x", "a;one"});
}

/* Subqueries: scalar, EXISTS, IN, ANY and ALL with NULLs, correlated. */
static void test_subqueries(void **state)
{
    CHECK_ROWS(
        *state, {"select id, (select w from b where b.id = a.id) from a order by 1", "1|x;2|y;3|z"},
        {"select (select id from a where id > 5)", "NULL"},
        {"select id from a where exists (select 1 from b where aid = a.id) order by 1", "1;2"},
        {"select id from a where id in (select aid from b) order by 1", "1;2"},
        {"select id from a where id not in (select aid from b)", ""},
        {"select 3 >= all (select id from a), 0 > any (select id from a), 1 = any (select id from "
         "a)",
         "t|f|t"},
        {"select 5 > all (select aid from b), 2 < any (select aid from b)", "NULL|NULL"},
        {"select (1, 10) in (select id, n from a)", "t"},
        {"select id from a x where n = (select max(n) from a y where y.id <= x.id) order by 1",
         "1;2"},
        {"select t.m from (select max(id) as m from a) t", "3"},
        {"select * from (select 1, 2) as t(x)", "1|2"});
    CHECK_ERRORS(
        *state,
        {"select (select id from a)", "21000",
         "more than one row returned by a subquery used as an expression", 0},
        {"select (select id, v from a)", "42601", "subquery must return only one column", 8},
        {"select 1 in (select id, v from a)", "42601", "subquery has too many columns", 10},
        {"select * from (select 1)", "42601", "subquery in FROM must have an alias", 15});
}

/* What SQLite would do row by row, and PostgreSQL does round by round, is refused. */
static void test_recursive_steps(void **state)
{
    struct world *w = *state;
    CHECK_ERRORS(
        w,
        {"with recursive r as (select 1 as n union all select count(*)::int from r) select * from "
         "r",
         "42P19", "aggregate functions are not allowed in a recursive query's recursive term", 53},
        {"with recursive r as (select 1 as n union all select 1 from a left join r on true) select "
         "1",
         "42P19", "recursive reference to query \"r\" must not appear within an outer join", 72},
        {"with recursive r as (select 1 as n union all select x.n from r x, r y) select 1", "42P19",
         "recursive reference to query \"r\" must not appear more than once", 67},
        {"with recursive r as (select 1 as n union all select distinct n + 1 from r) select 1",
         "0A000",
         "a recursive reference below DISTINCT, GROUP BY, LIMIT, window functions, set operations "
         "or "
         "in a subquery is not supported",
         73});
}

/* WITH, also recursive, also shadowing a table. */
static void test_with(void **state)
{
    CHECK_ROWS(
        *state, {"with x as (select id from a) select count(*) from x, x y", "9"},
        {"with a as (select 7 as id) select id from a", "7"},
        {"with x(p, q) as (values (1, 'a')) select q, p from x", "a|1"},
        {"with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select "
         "sum(n) from r",
         "15"},
        {"with recursive r as (select 1 as n union select n % 3 + 1 from r) select n from r order "
         "by n",
         "1;2;3"},
        {"with x as (select 1 as i), y as (select i + 1 as j from x) select * from x, y", "1|2"},
        {"select (with x as (select 5 as z) select z from x)", "5"});
    CHECK_ERRORS(
        *state,
        {"select * from (with x as (delete from a returning id) select * from x) y", "0A000",
         "WITH clause containing a data-modifying statement must be at the top level", 21});
}

/* Window functions with named windows and frames. */
static void test_windows(void **state)
{
    CHECK_ROWS(
        *state,
        {"select id, row_number() over (order by id desc) from a order by id", "1|3;2|2;3|1"},
        {"select id, sum(id) over (partition by f order by id) from b order by id", "1|1;2|2;3|4"},
        {"select id, sum(id) over w from a window w as (order by id rows between 1 preceding and "
         "current row) order by id",
         "1|1;2|3;3|5"},
        {"select id, lag(v) over (order by id), rank() over (order by n nulls first) from a order "
         "by id",
         "1|NULL|2;2|one|3;3|two|1"},
        {"select f, sum(count(*)) over (order by f) from b group by f order by f", "f|1;t|3"});
    CHECK_ERRORS(*state,
                 {"select row_number() from a", "42809",
                  "window function row_number requires an OVER clause", 8},
                 {"select 1 from a where rank() over () = 1", "42P20",
                  "window functions are not allowed in WHERE", 23},
                 {"select sum(n) over x from a", "42704", "window \"x\" does not exist", 20});
}

/* generate_series in FROM, up and down. */
static void test_series(void **state)
{
    CHECK_ROWS(*state, {"select * from generate_series(1, 3)", "1;2;3"},
               {"select g + 1 as x from generate_series(10, 0, -5) g", "11;6;1"},
               {"select count(*) from generate_series(1, 100000)", "100000"},
               {"select x from generate_series(5, 1) as t(x)", ""},
               {"select * from generate_series(9223372036854775806, 9223372036854775807)",
                "9223372036854775806;9223372036854775807"});
    CHECK_ERRORS(*state, {"select * from generate_series(1, 2, 0)", "22023",
                          "step size cannot equal zero", 0});
}

/* Parameters get the types that PostgreSQL infers. */
static void test_parameters(void **state)
{
    struct world *w = *state;
    struct query *q =
        analyse(w, "select $1 + id, $2 || v from a where v = $3 and n > $4::bigint limit $5");
    static const uint32_t types[] = {OID_INT4, OID_TEXT, OID_TEXT, OID_INT8, OID_INT8};
    assert_int_equal(q->n_params, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(q->params[i], types[i]);
    q = analyse(w, "insert into s values ($1, $2, $3)");
    assert_int_equal(q->params[0], OID_BPCHAR);
    assert_int_equal(q->params[1], OID_FLOAT4);
    assert_int_equal(q->params[2], OID_INT2);
    q = analyse(w, "select $1");
    assert_int_equal(q->params[0], OID_TEXT);
    assert_int_equal(q->columns[0].type, OID_TEXT);
    char *rows;
    assert_null(run_with(w, "select id from a where id = $1 or v = $2 order by 1",
                         (const char *[]){"2", "one"}, &rows));
    assert_string_equal(rows, "1;2");
    struct error *e = run_with(w, "select 1 limit $1", (const char *[]){"-1"}, &rows);
    assert_true(error_is(e, "2201W"));
    error_free(e);
    CHECK_ERRORS(w, {"select $1 is null, $1 = 1, $1 = 'x'::text", "42883",
                     "operator does not exist: integer = text", 31});
    CHECK_ERRORS(w, {"select id from a where $2 = 1", "42P18",
                     "could not determine data type of parameter $1", 0});
    w->context.no_params = true;
    CHECK_ERRORS(w, {"select $1", "42P02", "there is no parameter $1", 8});
}

/* now() and its like are parameters above the client's. */
static void test_hidden_parameters(void **state)
{
    struct query *q = analyse(*state, "select now(), $1::int, current_user, current_timestamp");
    assert_int_equal(q->n_params, 1);
    assert_int_equal(q->n_hidden, 2);
    assert_int_equal(q->hidden[0].kind, HIDDEN_NOW);
    assert_int_equal(q->hidden[1].kind, HIDDEN_USER);
    assert_string_equal(emitted(*state, "select current_user, $1::int"), "SELECT ?2, ?1");
}

/* ---- writes
 * ------------------------------------------------------------------------------------------------
 */

/* INSERT fills defaults, casts to the column's type, checks lengths. */
static void test_insert(void **state)
{
    struct world *w = *state;
    CHECK_ROWS(
        w, {"insert into b (id) values (10) returning *", "10|NULL|dflt|t"},
        {"insert into b values (11, 1, default, default) returning w, f", "dflt|t"},
        {"insert into b (w, id) values ('ab   ', 12), ('abcde   ', 13) returning '<' || w || '>'",
         "<ab   >;<abcde>"},
        {"insert into s (name, score) values ('cy', '3.5') returning *, name || '|'",
         "cy    |3.5|NULL|cy|"},
        {"insert into c select id, n, v from a where n > 0 returning k, id, x",
         "1|10|NULL;2|20|NULL"},
        {"insert into c (k, id) select 100, '7' returning k, id", "100|7"},
        {"insert into a (id, n) values (50, 1 + 1) returning n::text || v is null", "t"},
        {"with q as (select 60 as i) insert into a (id) select i from q returning id", "60"});
    CHECK_ERRORS(w,
                 {"insert into a values (1, 'x')", "23505",
                  "duplicate key value violates unique constraint \"a_pkey\"", 0},
                 {"insert into s values ('ann   ')", "23505",
                  "duplicate key value violates unique constraint \"s_name_key\"", 0},
                 {"insert into a values (null)", "23502",
                  "null value in column \"id\" of relation \"a\" violates not-null constraint", 0},
                 {"insert into b (id, f) values (90, null)", "23502",
                  "null value in column \"f\" of relation \"b\" violates not-null constraint", 0},
                 {"insert into b (id, aid) values (90, -5)", "23514",
                  "new row for relation \"b\" violates check constraint \"b_aid_check\"", 0},
                 {"insert into b (id, w) values (90, 'toolong')", "22001",
                  "value too long for type character varying(5)", 0},
                 {"insert into a values (1, 2, 3, 4)", "42601",
                  "INSERT has more expressions than target columns", 32},
                 {"insert into a (id, v) values (1)", "42601",
                  "INSERT has more target columns than expressions", 20},
                 {"insert into a (id, id) values (1, 2)", "42701",
                  "column \"id\" specified more than once", 20},
                 {"insert into a (zz) values (1)", "42703",
                  "column \"zz\" of relation \"a\" does not exist", 16},
                 {"insert into a values (true)", "42804",
                  "column \"id\" is of type integer but expression is of type boolean", 23},
                 {"insert into a values (1), (2, 'x')", "42601",
                  "VALUES lists must all be the same length", 28});
    /* a NULL from outside must not become a number of SQLite's choice */
    char *rows;
    struct error *e = run_with(w, "insert into a values ($1)", (const char *[]){NULL}, &rows);
    assert_true(error_is(e, E_NOT_NULL));
    error_free(e);
}

/* ON CONFLICT in all its forms. */
static void test_on_conflict(void **state)
{
    CHECK_ROWS(*state, {"insert into a values (1, 'uno') on conflict do nothing returning id", ""},
               {"insert into a values (1, 'uno', 5) on conflict (id) do update set v = excluded.v "
                "|| a.v, n = a.n + excluded.n returning v, n",
                "unoone|15"},
               {"insert into a as t values (2, 'x') on conflict (id) do update set v = default "
                "where t.n > 100 returning id",
                ""},
               {"insert into a select id, 'again' from a where id = 3 on conflict on constraint "
                "a_pkey do update set v = excluded.v returning v",
                "again"},
               {"insert into c values (1, 2, 'q') on conflict (id, k) do update set \"Mixed\" = "
                "'up' returning \"Mixed\"",
                "up"},
               {"insert into s values ('bob') on conflict (name) do nothing", ""});
    CHECK_ERRORS(
        *state,
        {"insert into a values (1) on conflict (v) do nothing", "42P10",
         "there is no unique or exclusion constraint matching the ON CONFLICT specification", 0},
        {"insert into a values (1) on conflict do update set v = 'x'", "42601",
         "ON CONFLICT DO UPDATE requires inference specification or constraint name", 26});
}

/* UPDATE and DELETE, also with other tables. */
static void test_update_delete(void **state)
{
    CHECK_ROWS(
        *state, {"update a set n = n + 1, v = upper(v) where id = 1 returning *", "1|ONE|11"},
        {"update a x set (v, n) = ('q', default) where x.id = 2 returning v, n", "q|NULL"},
        {"update a set v = b.w from b where b.aid = a.id and b.id = 1 returning a.id, v", "1|x"},
        {"update b set w = (select v from a where a.id = b.aid) where id = 2 returning w", "q"},
        {"delete from c using a where a.id = c.k and a.n is null returning k", "2"},
        {"with old as (select max(id) as m from b) delete from b where id in (select m from old) "
         "returning id",
         "3"},
        {"delete from a where id = 1 returning v", "x"}, {"select count(*) from b", "1"});
    CHECK_ERRORS(
        *state,
        {"update a set zz = 1", "42703", "column \"zz\" of relation \"a\" does not exist", 14},
        {"update a set n = 1, n = 2", "42601", "multiple assignments to same column \"n\"", 0},
        {"update a set n = 'x'", "22P02", "invalid input syntax for type integer: \"x\"", 18},
        {"update a set id = null where id = 2", "23502",
         "null value in column \"id\" of relation \"a\" violates not-null constraint", 0},
        {"update a set n = count(*)", "42803", "aggregate functions are not allowed in UPDATE", 18},
        {"delete from nope", "42P01", "relation \"nope\" does not exist", 13});
}

/* ---- schema
 * -------------------------------------------------------------------------------------------------
 */

/* CREATE TABLE gives the catalog's record and SQLite's text, with PostgreSQL's names. */
static void test_create_table(void **state)
{
    struct query *q = analyse(
        *state,
        "create table t (a int check (a > 0) default 1 + 1 not null, "
        "b char(3) constraint u unique, c text default 'x, )' /* why */ , d float4, e bool, "
        "primary key (a, b), check (a <> d), foreign key (a) references a (id) on delete set null "
        "on update cascade) "
        "with (fillfactor = 100, copies = 3)");
    const struct table *t = q->create_table.table;
    assert_string_equal(t->name, "t");
    assert_int_equal(t->n_columns, 5);
    assert_int_equal(t->columns[1].typmod, 7);
    assert_true(t->columns[0].not_null && t->columns[1].not_null && !t->columns[2].not_null);
    assert_string_equal(t->columns[0].default_sql, "1 + 1");
    assert_string_equal(t->columns[2].default_sql, "'x, )'");
    assert_int_equal(t->n_keys, 2);
    assert_string_equal(t->keys[0].name, "u");
    assert_string_equal(t->keys[1].name, "t_pkey");
    assert_int_equal(t->n_checks, 2);
    assert_string_equal(t->checks[0].name, "t_a_check");
    assert_string_equal(t->checks[0].sql, "a > 0");
    assert_string_equal(t->checks[1].name, "t_check");
    assert_string_equal(t->foreign_keys[0].name, "t_a_fkey");
    assert_int_equal(t->foreign_keys[0].on_delete, 'n');
    assert_int_equal(q->create_table.copies, 3);
    assert_string_equal(
        t->ddl,
        "CREATE TABLE \"t\" (\"a\" INTEGER NOT NULL, \"b\" TEXT COLLATE RTRIM NOT NULL, \"c\" "
        "TEXT, \"d\" ANY, "
        "\"e\" INTEGER, CONSTRAINT \"u\" UNIQUE (\"b\"), CONSTRAINT \"t_pkey\" PRIMARY KEY (\"a\", "
        "\"b\"), "
        "CONSTRAINT \"t_a_check\" CHECK ((\"a\" > 0)), CONSTRAINT \"t_check\" CHECK ((CAST(\"a\" "
        "AS REAL) <> \"d\")), "
        "CONSTRAINT \"t_a_fkey\" FOREIGN KEY (\"a\") REFERENCES \"a\" (\"id\") ON DELETE SET NULL "
        "ON UPDATE CASCADE) STRICT");
}

/* What CREATE TABLE refuses. */
static void test_create_table_errors(void **state)
{
    CHECK_ERRORS(
        *state, {"create table a (x int)", "42P07", "relation \"a\" already exists", 0},
        {"create table t (x int, x text)", "42701", "column \"x\" specified more than once", 0},
        {"create table t (x int, \"X\" int)", "0A000",
         "columns \"x\" and \"X\" differ only in the case of letters", 24},
        {"create table minisql_t (x int)", "42939", "table name \"minisql_t\" is reserved", 14},
        {"create table t (x int primary key, y int primary key)", "42P16",
         "multiple primary keys for table \"t\" are not allowed", 42},
        {"create table t (x nope)", "42704", "type \"nope\" does not exist", 19},
        {"create table t (x cube[])", "42704", "type \"cube\" does not exist", 19},
        {"create table t (x point)", "0A000", "type point is not supported", 19},
        {"create table t (x int default 'a')", "22P02",
         "invalid input syntax for type integer: \"a\"", 31},
        {"create table t (x int default true)", "42804",
         "column \"x\" is of type integer but default expression is of type boolean", 0},
        {"create table t (x int check (x))", "42804",
         "argument of CHECK must be type boolean, not type integer", 30},
        {"create table t (x int check (x > (select 1)))", "0A000",
         "cannot use subquery in check constraint", 34},
        {"create table t (x int, primary key (y))", "42703",
         "column \"y\" named in key does not exist", 24},
        {"create table t (x int null not null)", "42601",
         "conflicting NULL/NOT NULL declarations for column \"x\" of table \"t\"", 28},
        {"create table t (x text references a)", "42804",
         "foreign key constraint \"t_x_fkey\" cannot be implemented", 0},
        {"create table t (x int references a (n))", "42830",
         "there is no unique constraint matching given keys for referenced table \"a\"", 0},
        {"create table t (x int unique deferrable, y int references t (x))", "55000",
         "cannot use a deferrable unique constraint for referenced table \"t\"", 0},
        {"create table t (x varchar(0))", "22023", "length for type varchar must be at least 1",
         19});
}

/* Indexes, keys that are added later, DROP and TRUNCATE with their dependents. */
static void test_indexes_and_drops(void **state)
{
    struct world *w = *state;
    struct query *q = analyse(w, "create unique index on c (\"Mixed\" desc, x)");
    assert_string_equal(q->create_index.index->name, "c_Mixed_x_idx");
    assert_string_equal(q->create_index.index->ddl,
                        "CREATE UNIQUE INDEX \"c_Mixed_x_idx\" ON \"c\" (\"Mixed\" DESC, \"x\")");
    execute(w, q->create_index.index->ddl);
    q = analyse(w, "alter table s add primary key (name)");
    const struct table *next = q->alter_table.next;
    const struct key *key = &next->keys[next->n_keys - 1];
    assert_string_equal(key->name, "s_pkey");
    assert_true(key->primary);
    assert_string_equal(next->indexes[next->n_indexes - 1].name, "s_pkey");
    assert_int_equal(q->alter_table.n_checks, 2);
    assert_string_equal(q->alter_table.checks[0].query,
                        "SELECT name FROM public.s WHERE name IS NOT NULL GROUP BY 1 "
                        "HAVING count(*) > 1");
    assert_string_equal(q->alter_table.checks[1].query,
                        "SELECT 1 FROM public.s WHERE name IS NULL");
    q = analyse(w, "drop table if exists nope, b, a");
    assert_int_equal(q->drop.n, 2);
    assert_int_equal(q->n_notices, 1);
    q = analyse(w, "truncate a cascade");
    assert_int_equal(q->truncate.n_tables, 2);
    q = analyse(w, "truncate table a, b, c");
    assert_int_equal(q->truncate.n_tables, 3);
    q = analyse(w, "create table if not exists a (x int)");
    assert_true(q->create_table.exists);
    CHECK_ERRORS(
        w, {"drop table nope", "42P01", "table \"nope\" does not exist", 0},
        {"drop table a", "2BP01", "cannot drop table a because other objects depend on it", 0},
        {"drop index nope", "42704", "index \"nope\" does not exist", 0},
        {"drop index a_pkey", "2BP01",
         "cannot drop index a_pkey because constraint a_pkey on table a requires it", 0},
        {"truncate a", "0A000", "cannot truncate a table referenced in a foreign key constraint",
         0},
        {"create index i on a (zz)", "42703", "column \"zz\" does not exist", 0},
        {"create index i on a ((random()))", "42P17",
         "functions in index expression must be marked IMMUTABLE", 0},
        {"alter table a add primary key (n)", "42P16",
         "multiple primary keys for table \"a\" are not allowed", 0},
        {"alter table a drop column x", "42703", "column \"x\" of relation \"a\" does not exist",
         0},
        {"drop view x", "42P01", "view \"x\" does not exist", 0});
}

/* ---- commands
 * ------------------------------------------------------------------------------------------------
 */

/* Transactions, settings and their tags. */
static void test_commands(void **state)
{
    struct world *w = *state;
    struct query *q = analyse(w, "begin isolation level serializable read only");
    assert_int_equal(q->transaction.kind, TRANSACTION_BEGIN);
    assert_int_equal(q->transaction.modes.isolation, SERIALIZABLE);
    assert_int_equal(q->transaction.modes.read_only, 1);
    assert_string_equal(analyse(w, "start transaction")->tag, "START TRANSACTION");
    assert_string_equal(analyse(w, "end")->tag, "COMMIT");
    q = analyse(w, "rollback to savepoint x");
    assert_int_equal(q->transaction.kind, TRANSACTION_ROLLBACK_TO);
    assert_string_equal(q->transaction.savepoint, "x");
    q = analyse(w, "set local Search_Path to public, 'x'");
    assert_string_equal(q->set.name, "search_path");
    assert_string_equal(q->set.value, "public, x");
    assert_true(q->set.local);
    q = analyse(w, "set session characteristics as transaction isolation level repeatable read");
    assert_true(q->set.session_characteristics);
    assert_int_equal(q->set.modes.isolation, REPEATABLE_READ);
    assert_int_equal(q->set.modes.read_only, -1);
    assert_string_equal(analyse(w, "set time zone 'UTC'")->set.name, "timezone");
    assert_null(analyse(w, "set datestyle to default")->set.value);
    q = analyse(w, "show Server_Version");
    assert_string_equal(q->columns[0].name, "server_version");
    assert_null(analyse(w, "reset all")->set.name);
    assert_string_equal(analyse(w, "discard all")->tag, "DISCARD ALL");
    assert_string_equal(analyse(w, "vacuum analyze a")->tag, "VACUUM");
    q = analyse(w, "explain (analyze, costs off) select *\n from a join b");
    assert_string_equal(q->explain.text, "select *\n from a join b");
    assert_true(q->explain.analyze && !q->explain.costs);
    assert_string_equal(analyse(w, "explain analyze verbose (select 1)")->explain.text,
                        "(select 1)");
    q = analyse(w, "prepare p (int, text) as select v from a where id = $1 and v = $2");
    assert_string_equal(q->prepare.text, "select v from a where id = $1 and v = $2");
    assert_int_equal(q->prepare.query->n_params, 2);
    assert_int_equal(q->n_params, 0);
    q = analyse(w, "execute p (1 + 1, 'x')");
    assert_int_equal(q->prepare.n_args, 2);
    assert_int_equal(q->prepare.args[1]->type, OID_UNKNOWN);
    assert_null(analyse(w, "deallocate all")->prepare.name);
    CHECK_ERRORS(w,
                 {"set transaction snapshot '00000003-0000001B-1'", "0A000",
                  "SET TRANSACTION SNAPSHOT is not supported", 0},
                 {"create function f() returns int language sql as ''", "0A000",
                  "CREATE FUNCTION is not supported", 0},
                 {"declare c scroll no scroll cursor for select 1", "42P11",
                  "cannot specify both SCROLL and NO SCROLL", 0},
                 {"vacuum nope", "42P01", "relation \"nope\" does not exist", 0});
}

/* COPY in both directions, with its options. */
static void test_copy(void **state)
{
    struct world *w = *state;
    struct query *q =
        analyse(w, "copy b (w, id) from stdin with (format csv, header, null 'N', freeze on)");
    assert_true(q->copy.from && q->copy.options.header && q->writes);
    assert_int_equal(q->copy.options.format, COPY_CSV);
    assert_int_equal(q->copy.options.delimiter, ',');
    assert_string_equal(q->copy.options.null, "N");
    assert_int_equal(q->copy.insert->n_params, 2);
    assert_int_equal(q->copy.insert->params[0], OID_VARCHAR);
    struct buf text = {0};
    assert_null(sql_emit(q->copy.insert, NULL, &text));
    assert_string_equal(text.data,
                        "INSERT INTO \"b\" (\"id\", \"aid\", \"w\", \"f\") VALUES "
                        "(minisql_required_int(?2, 'b', 'id'), NULL, varchar_assign(?1, 9), 1)");
    buf_done(&text);
    q = analyse(w, "copy a to stdout");
    assert_int_equal(q->copy.options.delimiter, '\t');
    assert_string_equal(q->copy.options.null, "\\N");
    assert_string_equal(q->copy.query_text, "SELECT \"id\", \"v\", \"n\" FROM \"public\".\"a\"");
    assert_int_equal(q->copy.query->n_columns, 3);
    q = analyse(w, "copy (select ')' from a) to stdout csv");
    assert_string_equal(q->copy.query_text, "select ')' from a");
    CHECK_ERRORS(
        w,
        {"copy a from '/etc/passwd'", "0A000",
         "COPY with a file or program of the server is not supported", 0},
        {"copy a (zz) from stdin", "42703", "column \"zz\" of relation \"a\" does not exist", 0},
        {"copy a from stdin (format nope)", "22023", "COPY format \"nope\" not recognized", 20});
}

/* ---- what plan/ reads
 * ------------------------------------------------------------------------------------------- */

/* Filters go to the scan where that keeps the meaning; columns that are read are marked. */
static void test_filters(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *sql, *table, *scan;
    } cases[] = {
        {"select a.v from a join b on a.id = b.aid and b.f where a.n > $1 and b.id < a.id", "a",
         "SELECT \"id\", \"v\", \"n\" FROM \"a\" WHERE (\"n\" > ?1)"},
        {"select a.v from a join b on a.id = b.aid and b.f where a.n > $1 and b.id < a.id", "b",
         "SELECT \"id\", \"aid\", \"f\" FROM \"b\" WHERE \"f\""},
        {"select 1 from a left join b on a.id = b.aid and b.f and a.n > 1 where b.id > 1 and a.id "
         "= 1",
         "a", "SELECT \"id\", \"n\" FROM \"a\" WHERE (\"id\" = 1)"},
        {"select 1 from a left join b on a.id = b.aid and b.f and a.n > 1 where b.id > 1 and a.id "
         "= 1",
         "b", "SELECT \"id\", \"aid\", \"f\" FROM \"b\" WHERE \"f\""},
        {"select 1 from a full join b on a.n = 1 where a.id = 1 and b.id = 1", "a",
         "SELECT \"id\", \"n\" FROM \"a\""},
        {"select count(*) from a where exists (select 1 from b where b.aid = a.id and b.w = 'x')",
         "b", "SELECT \"aid\", \"w\" FROM \"b\" WHERE (\"w\" = 'x')"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct query *q = analyse(w, cases[i].sql);
        for (int k = 0; k < q->n_rtes; k++) {
            const struct rte *r = q->rtes[k];
            int columns[8], n = 0;
            if (strcmp(r->name, cases[i].table) != 0)
                continue;
            for (int c = 0; c < r->n_columns; c++) {
                if (r->columns[c].used)
                    columns[n++] = c;
            }
            struct buf text = {0};
            sql_emit_scan(r, columns, n, NULL, r->filters, r->n_filters, NULL, &text);
            if (strcmp(text.data, cases[i].scan) != 0)
                fail_msg("%s\n  %s\n  %s", cases[i].sql, text.data, cases[i].scan);
            buf_done(&text);
        }
    }
}

static bool print_pulled(void *ctx, const struct rte *r, struct buf *out)
{
    (void)ctx;
    buf_printf(out, "temp.\"pulled_%d\"", r->id);
    return true;
}

/* Tables are replaced; what planning asks about a join. */
static void test_emit_hooks(void **state)
{
    struct world *w = *state;
    struct buf text = {0};
    struct query *q = analyse(w, "select a.v from a join b y on a.id = y.aid");
    struct sql_emit how = {.table = print_pulled};
    assert_null(sql_emit(q, &how, &text));
    assert_string_equal(text.data,
                        "SELECT \"a\".\"v\" FROM temp.\"pulled_0\" AS \"a\" JOIN temp.\"pulled_1\" "
                        "AS \"y\" ON (\"a\".\"id\" = \"y\".\"aid\")");
    q = analyse(w, "select b.f, count(*) + 1, sum(a.n) from a join b on a.id = b.aid group by b.f "
                   "having count(*) > 0 order by sum(a.n) desc, 1 limit 5");
    assert_true(select_is_flat(q->select));
    assert_int_equal(q->select->n_aggs, 2);
    const struct expr *l, *r;
    bool nulls;
    assert_true(expr_is_equality(q->select->from[0]->on, &l, &r, &nulls));
    assert_string_equal(l->col.rte->name, "a");
    assert_string_equal(r->col.rte->name, "b");
    buf_done(&text);
}

/* Tables, result columns and flags that routing hangs on. */
static void test_query_facts(void **state)
{
    struct world *w = *state;
    struct query *q = analyse(w, "select x.v, x.n + 1 as m from a x, a y, b for update");
    assert_int_equal(q->n_tables, 2);
    assert_int_equal(q->tables[0].count, 2);
    assert_true(q->locks && !q->writes && q->returns);
    assert_int_equal(q->columns[0].table, catalog_table_oid(q->tables[0].table));
    assert_int_equal(q->columns[0].column, 2);
    assert_int_equal(q->columns[1].table, 0);
    assert_string_equal(q->columns[1].name, "m");
    q = analyse(w, "insert into a select id, w from b");
    assert_true(q->writes && q->counts_rows && !q->returns);
    assert_true(q->tables[0].written && !q->tables[1].written);
    assert_string_equal(q->tag, "INSERT 0");
    static const char *const names[] = {"?column?", "coalesce", "int4", "case", "upper", "exists"};
    q = analyse(
        w,
        "select 1, coalesce(1), 1::int, case when true then 1 end, upper('x'), exists (select 1)");
    for (int i = 0; i < 6; i++)
        assert_string_equal(q->columns[i].name, names[i]);
    assert_true(analyse(w, "select random()")->volatile_);
}

/* System tables are found after the catalog's, also under pg_catalog. */
static void test_extra_tables(void **state)
{
    struct world *w = *state;
    struct column columns[] = {{.name = "relname", .type = OID_TEXT, .typmod = -1}};
    struct table pg_class = {
        .schema = "pg_catalog", .name = "pg_class", .n_columns = 1, .columns = columns};
    const struct table *extra[] = {&pg_class};
    w->context.extra = extra;
    w->context.n_extra = 1;
    assert_ptr_equal(analyse(w, "select relname from pg_class")->tables[0].table, &pg_class);
    struct query *q =
        analyse(w, "select pg_catalog.pg_class.relname from pg_catalog.pg_class, public.a");
    assert_int_equal(q->n_tables, 2);
    CHECK_ERRORS(w,
                 {"select * from public.pg_class", "42P01",
                  "relation \"public.pg_class\" does not exist", 15},
                 {"insert into pg_class values ('x')", "42501",
                  "permission denied for system table \"pg_class\"", 13});
}

/* ---- lifting
 * ------------------------------------------------------------------------------------------------------
 */

/* Literals that are expressions are lifted, others stay; the key tells their kinds. */
static void test_lift(void **state)
{
    (void)state;
    static const struct {
        const char *text, *key; /* NULL: left alone */
    } cases[] = {
        {"select v from a where id = 5;", "i select v from a where id = $1"},
        {"SELECT  *\n FROM a -- x\n WHERE v='it''s' AND n>-3000000000",
         "sl SELECT * FROM a WHERE v=$1 AND n>$2"},
        {"insert into a values (1, 'x', 1.5), (-2, null, 1e3)",
         "isnin insert into a values ($1, $2, $3), ($4, null, $5)"},
        {"update a set n = n-1 where id in (1,2)", "iii update a set n = n-$1 where id in ($2,$3)"},
        {"select 1 order by 1", "i select $1 order by 1"},
        {"select id from a order by 1 limit 10", "i select id from a order by 1 limit $1"},
        {"select row_number() over (order by 1) + 1 from a",
         "i select row_number() over (order by 1) + $1 from a"},
        {"select 5::text, '5'::varchar(3), cast('x' as char(3))",
         "s select 5::text, '5'::varchar(3), cast($1 as char(3))"},
        {"select date '2020-01-01', 'x'", "s select date '2020-01-01', $1"},
        {"select interval '1' second(3)", " select interval '1' second(3)"},
        {"select a[1]", " select a[1]"},
        {"select 1 from a where x between 1 and 2 or y like 'z%'",
         "iiis select $1 from a where x between $2 and $3 or y like $4"},
        {"select n, count(*) from a where id = 5 group by n", NULL},
        {"select distinct on (1) v from a", NULL},
        {"select $1 from a where id = 5", NULL},
        {"select 1; select 2", NULL},
        {"select E'a\\'b'", NULL},
        {"select 'a'\n'b'", NULL},
        {"select 'open", NULL},
        {"create table t (a int default 5)", NULL},
        {"copy a from stdin", NULL},
        {"", NULL},
        {"select 12abc", NULL},
    };
    struct lifted l;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool lifted = sql_lift(cases[i].text, strlen(cases[i].text), &l);
        if (lifted != (cases[i].key != NULL))
            fail_msg("%s: lifted %d", cases[i].text, lifted);
        if (lifted)
            assert_string_equal(l.key, cases[i].key);
    }
    assert_true(sql_lift("select -5, 'a''b', -1.50, 99999999999999999999", 46, &l));
    struct arena arena = {0};
    size_t n;
    assert_int_equal(l.literals[0].integer, -5);
    assert_string_equal(lift_text(&l.literals[1], &arena, &n), "a'b");
    assert_int_equal(n, 3);
    assert_string_equal(lift_text(&l.literals[2], &arena, &n), "-1.50");
    assert_int_equal(l.literals[3].kind, LIFT_NUMERIC);
    assert_int_equal(l.literals[3].offset, 26);
    arena_done(&arena);
}

/* A lifted statement gives what the original gives. */
static void test_lift_keeps_meaning(void **state)
{
    struct world *w = *state;
    static const char *const texts[] = {
        "select id, n + 1, -n, 'x' || v from a where id >= 1 and v <> 'zz' order by 1 desc limit 2",
        "select * from a where n = 10.0 or v = 'two'",
        "select '5' + 1, 'abc', 1.5 * 2, 3000000000 / 7, -7 / 2",
        "select case when n > 9 then 'big' else 'low' end from a where id in (1, 2, 3) order by 1",
        "select coalesce(v, 'none') from a where n is null or n between 1 and 100 order by id",
        "select count(*) filter (where n > 5) from a having count(*) > 0",
        "insert into c values (77, 78, 'new', 1.25) returning *",
        "update c set x = x * 2, \"Mixed\" = 'upd' where k = 77 returning *",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct lifted l;
        const char *params[LIFT_MAX_LITERALS];
        uint32_t types[LIFT_MAX_LITERALS];
        assert_true(sql_lift(texts[i], strlen(texts[i]), &l));
        for (int k = 0; k < l.n; k++) {
            const struct lifted_literal *v = &l.literals[k];
            size_t n;
            types[k] = sql_lifted_type(v->kind);
            const char *text = lift_text(v, &w->arena, &n);
            params[k] = v->kind == LIFT_INT4 || v->kind == LIFT_INT8
                            ? arena_printf(&w->arena, "%lld", (long long)v->integer)
                            : arena_strndup(&w->arena, text, n);
        }
        execute(w, "SAVEPOINT s");
        const char *original = run(w, texts[i]);
        execute(w, "ROLLBACK TO s");
        w->context.param_types = types;
        w->context.n_params = l.n;
        char *rows;
        struct error *e = run_with(w, l.text, params, &rows);
        w->context.n_params = 0;
        if (e)
            fail_with(e, l.text);
        assert_string_equal(rows, original);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_script),
        CASE(test_syntax_errors),
        CASE(test_join_without_on),
        CASE(test_depth),
        CASE(test_expressions),
        CASE(test_arithmetic_errors),
        CASE(test_name_and_type_errors),
        CASE(test_joins),
        CASE(test_order),
        CASE(test_grouping),
        CASE(test_sets),
        CASE(test_subqueries),
        CASE(test_with),
        CASE(test_recursive_steps),
        CASE(test_windows),
        CASE(test_series),
        CASE(test_parameters),
        CASE(test_hidden_parameters),
        CASE(test_insert),
        CASE(test_on_conflict),
        CASE(test_update_delete),
        CASE(test_create_table),
        CASE(test_create_table_errors),
        CASE(test_indexes_and_drops),
        CASE(test_commands),
        CASE(test_copy),
        CASE(test_filters),
        CASE(test_emit_hooks),
        CASE(test_query_facts),
        CASE(test_extra_tables),
        CASE(test_lift),
        CASE(test_lift_keeps_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
