/*
 * types: every behaviour is compared with what PostgreSQL 15 answered (test_types_cases.h), and
 * every function runs twice, called directly as the batch executor does and through SQLite.
 */
#include "types/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <sqlite3.h>

enum { MAX_CASE_ARGS = 8 };

struct call_case {
    const char *name;
    enum func_kind kind;
    const char *args[MAX_CASE_ARGS];
    const char *expected;
};
struct cast_case {
    const char *from, *text, *to, *expected; /* "none": there is no such cast */
};
struct io_case {
    const char *type;
    int32_t typmod;
    const char *in, *expected, *binary;
};
struct agg_case {
    const char *name, *type;
    const char *values[MAX_CASE_ARGS];
    int n;
    const char *expected, *frames;
};

#include "test_types_cases.h"
#include "test_types_datetime_cases.h"

static sqlite3 *db;
static int failures;

static int open_db(void **state)
{
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_null(types_register(db));
    failures = 0;
    return 0;
}

static int close_db(void **state)
{
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return 0;
}

/* Counts and goes on, so that one run shows all differences of a table. */
static void expect(const char *what, const char *got, const char *wanted)
{
    if (strcmp(got, wanted) == 0)
        return;
    failures++;
    print_error("%s\n      gives %s\n  should be %s\n", what, got, wanted);
}

static const char *describe_error(struct error *e, struct arena *a)
{
    char *text = arena_printf(a, "!%s %s", e->sqlstate, e->message);
    error_free(e);
    return text;
}

static const char *print_value(uint32_t type, const struct value *v, struct arena *a)
{
    if (v->kind == VALUE_NULL)
        return "NULL";
    struct buf text = {0};
    buf_reserve(&text, 1);
    type_print(type_by_oid(type), v, -1, &text);
    char *copy = arena_strndup(a, text.len ? text.data : "", text.len);
    buf_done(&text);
    return copy;
}

static const char *describe(uint32_t type, const struct value *v, struct error *e, struct arena *a)
{
    if (e)
        return describe_error(e, a);
    return arena_printf(a, "%s %s", type_by_oid(type)->sql_name, print_value(type, v, a));
}

/* "int4:5" -> type and value; of unknown type the text itself. */
static uint32_t read_arg(const char *text, struct arena *a, struct value *ret)
{
    const char *colon = strchr(text, ':');
    char *name = arena_strndup(a, text, colon ? (size_t)(colon - text) : strlen(text));
    const struct type *t = type_by_name(name);
    assert_non_null(t);
    *ret = (struct value){.kind = VALUE_NULL};
    if (colon)
        assert_null(type_parse(t, colon + 1, strlen(colon + 1), -1, a, ret));
    return t->oid;
}

/* What an analyser does to an argument: literals are parsed as the wanted type, others cast. */
static struct error *convert(uint32_t from, uint32_t to, struct value *v, struct arena *a)
{
    if (from == OID_UNKNOWN && v->kind != VALUE_NULL)
        return (to == OID_ANY || to == OID_ANYNONARRAY)
                   ? NULL
                   : type_parse(type_by_oid(to), v->s.p, v->s.n, -1, a, v);
    const struct func *f;
    struct value args[2] = {*v, {.kind = VALUE_INT, .i = -1}};
    bool more = false;
    if ((to == OID_ANY || to == OID_ANYNONARRAY)) {
        f = type_output_func(from, &more);
        args[1] = (struct value){.kind = VALUE_INT, .i = type_output_arg(from, -1)};
    } else if (from == to || from == OID_UNKNOWN) {
        f = NULL;
    } else {
        const struct cast *c = cast_find(from, to, CAST_IMPLICIT);
        assert_non_null(c);
        f = c->func;
        more = f && f->typed;
        args[1] = (struct value){.kind = VALUE_INT, .i = cast_hidden(c)};
    }
    if (!f || v->kind == VALUE_NULL)
        return NULL;
    return f->call(args, more ? 2 : 1, a, v);
}

/* The SQL of a call: emit with ?n for $n, or name(?1, ..). */
static char *call_sql(const struct func *f, const char *template, int n, struct arena *a)
{
    struct buf sql = {0};
    if (template)
        for (const char *p = template; *p; p++)
            buf_append(&sql, *p == '$' ? "?" : p, 1);
    else {
        buf_printf(&sql, "%s(", f->sqlite_name);
        for (int i = 0; i < n; i++)
            buf_printf(&sql, "%s?%d", i ? ", " : "", i + 1);
        buf_puts(&sql, ")");
    }
    char *copy = arena_strdup(a, sql.data);
    buf_done(&sql);
    return copy;
}

static struct error *run_sql(const char *sql, const struct value *args, int n, struct arena *a,
                             struct value *ret)
{
    sqlite3_stmt *stmt = NULL;
    struct error *e = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    for (int i = 0; i < n && rc == SQLITE_OK; i++)
        rc = value_bind(stmt, i + 1, &args[i]);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        *ret = value_from_column(stmt, 0);
        if (ret->kind == VALUE_TEXT)
            ret->s.p = arena_strndup(a, ret->s.p, ret->s.n);
    } else {
        e = types_sqlite_error(db, rc);
    }
    sqlite3_finalize(stmt);
    return e;
}

static struct error *call_direct(const struct func *f, const struct value *args, int n,
                                 struct arena *a, struct value *ret)
{
    for (int i = 0; i < n; i++)
        if (f->strict && args[i].kind == VALUE_NULL) {
            *ret = args[i];
            return NULL;
        }
    return f->call(args, n, a, ret);
}

static void run_call(const struct call_case *c)
{
    _cleanup_(arena_done) struct arena a = {0};
    uint32_t types[MAX_CASE_ARGS];
    struct value args[MAX_CASE_ARGS], direct = {0}, native = {0};
    struct buf label = {0};
    int n = 0;
    buf_puts(&label, c->name);
    for (; n < MAX_CASE_ARGS && c->args[n]; n++) {
        types[n] = read_arg(c->args[n], &a, &args[n]);
        buf_printf(&label, " [%s]", c->args[n]);
    }
    const struct func *f = NULL;
    struct error *e = func_resolve(c->name, c->kind, types, n, &f);
    for (int i = 0; i < n && !e; i++)
        e = convert(types[i], f->args[MIN(i, f->nargs - 1)], &args[i], &a);
    if (e) {
        expect(label.data, describe_error(e, &a), c->expected);
    } else {
        e = call_direct(f, args, n, &a, &direct);
        expect(label.data, describe(f->result, &direct, e, &a), c->expected);
        char *sql = arena_printf(&a, "SELECT %s", call_sql(f, f->emit, n, &a));
        e = run_sql(sql, args, n, &a, &native);
        buf_printf(&label, " as %s", sql);
        expect(label.data, describe(f->result, &native, e, &a), c->expected);
    }
    buf_done(&label);
}

/* Operators and functions resolve, convert and compute as in PostgreSQL, directly and in SQLite. */
static void test_calls(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(call_cases); i++)
        run_call(&call_cases[i]);
    for (size_t i = 0; i < ARRAY_LEN(datetime_call_cases); i++)
        run_call(&datetime_call_cases[i]);
    assert_int_equal(failures, 0);
}

static void run_casts(const struct cast_case *c, size_t n)
{
    for (size_t i = 0; i < n; i++, c++) {
        _cleanup_(arena_done) struct arena a = {0};
        const struct type *from = type_by_name(c->from), *to = type_by_name(c->to);
        const struct cast *cast = cast_find(from->oid, to->oid, CAST_EXPLICIT);
        char *label = arena_printf(&a, "'%s'::%s::%s", c->text, c->from, c->to);
        if (!cast) {
            expect(label, "none", c->expected);
            continue;
        }
        struct value v[2], native;
        assert_null(type_parse(from, c->text, strlen(c->text), -1, &a, v));
        native = v[0];
        struct error *e = NULL;
        if (cast->func) {
            int args = cast->func->typed ? 2 : 1;
            const char *sql =
                arena_printf(&a, "SELECT %s", call_sql(cast->func, cast->func->emit, args, &a));
            v[1] = (struct value){.kind = VALUE_INT, .i = args == 2 ? cast_hidden(cast) : 0};
            e = run_sql(sql, v, args, &a, &native);
            expect(label, describe(to->oid, &native, e, &a), c->expected);
            e = cast->func->call(v, args, &a, v);
        }
        expect(label, describe(to->oid, v, e, &a), c->expected);
    }
}

/* Explicit casts between all types give PostgreSQL's values and errors. */
static void test_casts(void **state)
{
    run_casts(cast_cases, ARRAY_LEN(cast_cases));
    run_casts(datetime_cast_cases, ARRAY_LEN(datetime_cast_cases));
    assert_int_equal(failures, 0);
}

static const char *hex_of(const struct buf *b, struct arena *a)
{
    struct buf text = {0};
    for (size_t i = 0; i < b->len; i++)
        buf_printf(&text, "%02x", (unsigned char)b->data[i]);
    char *copy = arena_strdup(a, text.len ? text.data : "");
    buf_done(&text);
    return copy;
}

static void run_io(const struct io_case *c, size_t n)
{
    for (size_t i = 0; i < n; i++, c++) {
        _cleanup_(arena_done) struct arena a = {0};
        const struct type *t = type_by_name(c->type);
        char *label = arena_printf(&a, "%s(%d) '%s'", c->type, c->typmod, c->in);
        struct value v, back;
        /* from the heap, so that reading beyond the end is noticed */
        char *in = mem_strndup(c->in, strlen(c->in));
        struct error *e = type_parse(t, in, strlen(in), c->typmod, &a, &v);
        if (e) {
            expect(label, describe_error(e, &a), c->expected);
            mem_free(in);
            continue;
        }
        struct buf out = {0}, binary = {0};
        buf_reserve(&out, 1);
        type_print(t, &v, c->typmod, &out);
        expect(label, out.len ? out.data : "", c->expected);
        type_send(t, &v, c->typmod, &binary);
        expect(label, hex_of(&binary, &a), c->binary);
        e = type_recv(t, binary.len ? binary.data : "", binary.len, c->typmod, &a, &back);
        assert_null(e);
        if (type_compare(t, &v, &back) != 0)
            expect(label, "another value after send and recv", "the same");
        assert_true(value_hash(&v) == value_hash(&back));
        buf_done(&out);
        buf_done(&binary);
        mem_free(in);
    }
}

/* The binary forms are what PostgreSQL's array_send() gives. */
static const struct io_case array_io_cases[] = {
    {"_int4", -1, "{1,2,NULL}", "{1,2,NULL}",
     "000000010000000100000017000000030000000100000004000000010000000400000002ffffffff"},
    {"_int4", -1, "{}", "{}", "000000000000000000000017"},
    {"_int4", -1, "[0:1]={5,-6}", "[0:1]={5,-6}",
     "0000000100000000000000170000000200000000000000040000000500000004fffffffa"},
    {"_int2", -1, "{{1,2},{3,4}}", "{{1,2},{3,4}}",
     "000000020000000000000015000000020000000100000002000000010000000200010000000200020000000200030"
     "00000020004"},
    {"_text", -1, "{a,\"b c\",\"NULL\",NULL,\"q\\\"\\\\\"}",
     "{a,\"b c\",\"NULL\",NULL,\"q\\\"\\\\\"}",
     "0000000100000001000000190000000500000001000000016100000003622063000000044e554c4cffffffff00000"
     "00371225c"},
    {"_bool", -1, "{t,f,NULL}", "{t,f,NULL}",
     "000000010000000100000010000000030000000100000001010000000100ffffffff"},
    {"_date", -1, "{2000-01-02,infinity}", "{2000-01-02,infinity}",
     "00000001000000000000043a00000002000000010000000400000001000000047fffffff"},
    {"_float4", -1, "{0.1,-Infinity}", "{0.1,-Infinity}",
     "0000000100000000000002bc0000000200000001000000043dcccccd00000004ff800000"},
    {"_float8", -1, "{1e300,2.5}", "{1e+300,2.5}",
     "0000000100000000000002bd0000000200000001000000087e37e43c8800759c000000084004000000000000"},
    {"_numeric", -1, "{1.50,-3}", "{1.50,-3}",
     "0000000100000000000006a400000002000000010000000c0002000000000002000113880000000a0001000040000"
     "0000003"},
    {"_uuid", -1, "{00112233-4455-6677-8899-aabbccddeeff}",
     "{00112233-4455-6677-8899-aabbccddeeff}",
     "000000010000000000000b8600000001000000010000001000112233445566778899aabbccddeeff"},
    {"_bytea", -1, "{\"\\\\x00ff\"}", "{\"\\\\x00ff\"}",
     "00000001000000000000001100000001000000010000000200ff"},
    {"_timestamp", -1, "{\"2024-02-29 12:00:00\"}", "{\"2024-02-29 12:00:00\"}",
     "00000001000000000000045a0000000100000001000000080002b582c4781000"},
    {"_interval", -1, "{\"1 mon 2 days\"}", "{\"1 mon 2 days\"}",
     "0000000100000000000004a200000001000000010000001000000000000000000000000200000001"},
    {"_name", -1, "{abc}", "{abc}", "000000010000000000000013000000010000000100000003616263"},
    {"_oid", -1, "{4294967295}", "{4294967295}",
     "00000001000000000000001a000000010000000100000004ffffffff"},
    {"_char", -1, "{a,\"\"}", "{a,\"\"}",
     "000000010000000000000012000000020000000100000001610000000100"},
    {"int2vector", -1, "1 2 3", "1 2 3",
     "0000000100000000000000150000000300000000000000020001000000020002000000020003"},
    {"oidvector", -1, "7", "7", "00000001000000000000001a00000001000000000000000400000007"},
    {"regtype", -1, "integer", "integer", "00000017"},
    {"xid", -1, "7", "7", "00000007"},
    {"bit", 5, "10110", "10110", "00000005b0"},
    {"varbit", -1, "xb78", "101101111000", "0000000cb780"},
    {"macaddr", -1, "0800-2B01-0203", "08:00:2b:01:02:03", "08002b010203"},
    {"macaddr8", -1, "08002b0102030405", "08:00:2b:01:02:03:04:05", "08002b0102030405"},
    {"int4range", -1, "(0,4]", "[1,5)", "0200000004000000010000000400000005"},
    {"numrange", -1, "(1.5,]", "(1.5,)", "100000000c000200000000000100011388"},
    {"daterange", -1, "[2024-01-01,2024-01-01)", "empty", "01"},
    {"tsrange", -1, "[2000-01-01 00:00:01,2000-01-02)",
     "[\"2000-01-01 00:00:01\",\"2000-01-02 00:00:00\")",
     "020000000800000000000f424000000008000000141dd76000"},
    {"numeric", -1, "nan", "NaN", "00000000c0000000"},
    {"numeric", -1, "-inf", "-Infinity", "00000000f0000020"},
    {"float8", -1, "nan", "NaN", "7ff8000000000000"},
    {"float4", -1, "NaN", "NaN", "7fc00000"},
};

/* Input gives PostgreSQL's text and binary forms, and the binary form reads back as the same. */
static void test_input_and_output(void **state)
{
    run_io(io_cases, ARRAY_LEN(io_cases));
    run_io(datetime_io_cases, ARRAY_LEN(datetime_io_cases));
    run_io(array_io_cases, ARRAY_LEN(array_io_cases));
    assert_int_equal(failures, 0);
}

/* ---- aggregates ---- */

static struct error *aggregate(const struct func *f, const struct value *v, int n, struct arena *a,
                               struct value *ret, bool in_two_parts)
{
    struct agg_state s, second;
    struct error *e = NULL;
    f->agg->init(&s);
    f->agg->init(&second);
    for (int i = 0; i < n && !e; i++)
        if (v[i].kind != VALUE_NULL)
            e = f->agg->step(in_two_parts && i >= n / 2 ? &second : &s, &v[i], 1);
    if (!e)
        e = f->agg->merge(&s, &second);
    if (!e)
        e = f->agg->final(&s, a, ret);
    if (f->agg->done) {
        f->agg->done(&s);
        f->agg->done(&second);
    }
    return e;
}

static void fill_table(const struct agg_case *c, const struct func *f, const struct value *v)
{
    assert_int_equal(sqlite3_exec(db, "DROP TABLE IF EXISTS t; CREATE TABLE t(i, x)", 0, 0, 0), 0);
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO t VALUES (?, ?)", -1, &stmt, NULL), 0);
    for (int i = 0; i < c->n; i++) {
        sqlite3_bind_int(stmt, 1, i);
        value_bind(stmt, 2, &v[i]);
        assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
}

static char *over_column(const char *template, struct arena *a)
{
    struct buf sql = {0};
    for (const char *p = template; *p; p++)
        if (p[0] == '$')
            buf_puts(&sql, "x"), p++;
        else
            buf_append(&sql, p, 1);
    char *copy = arena_strdup(a, sql.data);
    buf_done(&sql);
    return copy;
}

static const char *run_frames(const struct func *f, struct arena *a)
{
    const char *call = f->over_emit ? f->over_emit : f->emit;
    char *sql = arena_printf(
        a, "SELECT %s OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t ORDER BY i",
        over_column(call, a));
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    struct buf out = {0};
    buf_reserve(&out, 1);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        struct value v = value_from_column(stmt, 0);
        buf_printf(&out, "%s%s", out.len ? "|" : "", print_value(f->result, &v, a));
    }
    sqlite3_finalize(stmt);
    char *copy = arena_strdup(a, out.len ? out.data : "");
    buf_done(&out);
    return copy;
}

static void run_aggregate(const struct agg_case *c, struct arena *a)
{
    const struct type *t = type_by_name(c->type);
    struct value v[MAX_CASE_ARGS], result = {0};
    struct buf label = {0};
    buf_printf(&label, "%s(%s) over", c->name, c->type);
    for (int i = 0; i < c->n; i++) {
        v[i] = (struct value){.kind = VALUE_NULL};
        buf_printf(&label, " %s", c->values[i] ? c->values[i] : "NULL");
        if (c->values[i])
            assert_null(type_parse(t, c->values[i], strlen(c->values[i]), -1, a, &v[i]));
    }
    const struct func *f = NULL;
    struct error *e = func_resolve(c->name, FUNC_AGGREGATE, &t->oid, 1, &f);
    if (e) {
        expect(label.data, describe_error(e, a), c->expected);
        buf_done(&label);
        return;
    }
    e = aggregate(f, v, c->n, a, &result, false);
    expect(label.data, describe(f->result, &result, e, a), c->expected);
    if (*c->expected != '!') {
        e = aggregate(f, v, c->n, a, &result, true);
        /* parts of floats add up in another order */
        if (t->storage != VALUE_REAL)
            expect(label.data, describe(f->result, &result, e, a), c->expected);
        else
            error_free(e);
    }
    fill_table(c, f, v);
    char *sql = f->emit ? arena_strdup(a, f->emit) : arena_printf(a, "%s($1)", f->sqlite_name);
    sql = arena_printf(a, "SELECT %s FROM t", over_column(sql, a));
    e = run_sql(sql, NULL, 0, a, &result);
    buf_printf(&label, " as %s", sql);
    expect(label.data, describe(f->result, &result, e, a), c->expected);
    if (*c->expected != '!') {
        buf_puts(&label, " in frames");
        expect(label.data, run_frames(f, a), c->frames);
    }
    buf_done(&label);
}

/* Aggregates, whole, in parts, in SQLite and over moving frames, give PostgreSQL's results. */
static void test_aggregates(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(agg_cases); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        run_aggregate(&agg_cases[i], &a);
    }
    for (size_t i = 0; i < ARRAY_LEN(datetime_agg_cases); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        run_aggregate(&datetime_agg_cases[i], &a);
    }
    assert_int_equal(failures, 0);
}

static const char *query(const char *sql, struct arena *a)
{
    struct value v = {0};
    struct error *e = run_sql(sql, NULL, 0, a, &v);
    if (e)
        return describe_error(e, a);
    return v.kind == VALUE_TEXT  ? v.s.p
           : v.kind == VALUE_INT ? arena_printf(a, "%lld", (long long)v.i)
                                 : "NULL";
}

/* string_agg skips NULL, takes the delimiter of each row but the first, and is NULL over nothing.
 */
static void test_string_agg(void **state)
{
    _cleanup_(arena_done) struct arena a = {0};
    sqlite3_exec(db,
                 "CREATE TABLE s(i, x, d); INSERT INTO s VALUES (1,NULL,'!'), (2,'a','?'),"
                 "(3,'b','-'), (4,'c',NULL), (5,NULL,'#')",
                 0, 0, 0);
    expect("all", query("SELECT string_agg(x, d) FROM s", &a), "a-bc");
    expect("none", query("SELECT string_agg(x, d) FROM s WHERE i = 1", &a), "NULL");
    expect(
        "frames",
        query("SELECT group_concat(ifnull(y, 'NULL'), '|') FROM (SELECT string_agg_over(x, d) OVER"
              " (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS y FROM s)",
              &a),
        "NULL|a|a-b|bc|c");
    assert_int_equal(failures, 0);
}

/* A type that a polymorphic one can stand for. */
static uint32_t concrete(uint32_t type)
{
    switch (type) {
    case OID_ANYARRAY:
    case OID_ANYCOMPATIBLEARRAY:
        return OID_INT4_ARRAY;
    case OID_ANYRANGE:
        return OID_INT4RANGE;
    case OID_ANYELEMENT:
    case OID_ANYNONARRAY:
    case OID_ANYCOMPATIBLE:
        return OID_INT4;
    default:
        return type;
    }
}

/* A random name has no rows; func_exists tells kinds apart; every row names something to run. */
static void test_rows_are_complete(void **state)
{
    size_t n;
    const struct func *rows = func_table(&n);
    assert_true(n > 500);
    for (size_t i = 0; i < n; i++) {
        const struct func *f = &rows[i];
        bool by_collation = f->emit && strstr(f->emit, "$C");
        uint32_t types[FUNC_MAX_ARGS];
        for (int k = 0; k < f->nargs; k++)
            types[k] = concrete(f->args[k]);
        if (!f->emit && !f->sqlite_name && !f->set)
            fail_msg("%s has neither emit nor a name in SQLite", f->name);
        if (f->kind == FUNC_SET && !f->set)
            fail_msg("%s returns no rows", f->name);
        if (f->kind == FUNC_AGGREGATE && !by_collation &&
            (!f->agg || (f->sqlite_name && !f->over_emit)))
            fail_msg("aggregate %s is incomplete", f->name);
        if ((f->kind == FUNC_SCALAR || f->kind == FUNC_OPERATOR) && !f->call && !by_collation)
            fail_msg("%s has no call", f->name);
        const struct func *found;
        assert_null(func_resolve(f->name, f->kind, types, f->nargs, &found));
        if (found != f)
            fail_msg("%s is not found by its own argument types", f->name);
    }
    assert_true(func_exists("lower", FUNC_SCALAR));
    assert_false(func_exists("lower", FUNC_AGGREGATE));
    assert_true(func_exists("rank", FUNC_WINDOW));
    assert_false(func_exists("nosuch", FUNC_SCALAR));
}

/* numeric in SQLite sorts, groups and compares by value under its collation. */
static void test_numeric_collation(void **state)
{
    _cleanup_(arena_done) struct arena a = {0};
    const char *collation = type_by_oid(OID_NUMERIC)->collation;
    sqlite3_exec(db, "CREATE TABLE n(x); INSERT INTO n VALUES ('10'), ('9'), ('-1.5'), ('9.00')", 0,
                 0, 0);
    expect("order",
           query(arena_printf(&a,
                              "SELECT group_concat(x, ' ') FROM (SELECT x FROM n ORDER BY x"
                              " COLLATE %s, length(x))",
                              collation),
                 &a),
           "-1.5 9 9.00 10");
    expect("groups",
           query(arena_printf(&a, "SELECT count(DISTINCT x COLLATE %s) FROM n", collation), &a),
           "3");
    assert_int_equal(failures, 0);
}

/* Values that are equal within a type have one hash. */
static void test_hash(void **state)
{
    struct value a = {.kind = VALUE_TEXT, .s = {"1.50", 4}},
                 b = {.kind = VALUE_TEXT, .s = {"1.5", 3}};
    assert_true(value_hash(&a) == value_hash(&b));
    a.s.p = "7.00";
    b = (struct value){.kind = VALUE_TEXT, .s = {"7", 1}};
    assert_true(value_hash(&a) == value_hash(&b));
    b.s.p = "8";
    assert_true(value_hash(&a) != value_hash(&b));
    a = (struct value){.kind = VALUE_REAL, .r = 0.0};
    b = (struct value){.kind = VALUE_REAL, .r = -0.0};
    assert_true(value_hash(&a) == value_hash(&b));
    a = (struct value){.kind = VALUE_TEXT, .s = {"100", 3}};
    b = (struct value){.kind = VALUE_TEXT, .s = {"1", 1}};
    assert_true(value_hash(&a) != value_hash(&b));
}

/* ---- what a hostile peer may send ---- */

/* Bad binary values are refused with 22P03, bad text with 22021, never followed. */
static void test_bad_wire_values(void **state)
{
    static const struct {
        uint32_t type;
        const char *bytes;
        size_t n;
        const char *sqlstate;
    } cases[] = {
        {OID_INT4, "\0\0\0", 3, E_BAD_BINARY},
        {OID_INT8, "\0\0\0\0\0\0\0\0\0", 9, E_BAD_BINARY},
        {OID_BOOL, "", 0, E_BAD_BINARY},
        {OID_TEXT, "a\0b", 3, "22021"},
        {OID_TEXT, "\xc3", 1, "22021"},
        {OID_TEXT, "\xed\xa0\x80", 3, "22021"},
        {OID_TEXT, "\xf5\x80\x80\x80", 4, "22021"},
        {OID_TEXT, "12345678\xc0\xaf", 10, "22021"},
        {OID_VARCHAR, "\xff", 1, "22021"},
        {OID_NUMERIC, "\0\x01\0\0\0\0\0", 7, E_BAD_BINARY},
        {OID_NUMERIC, "\0\x02\0\0\0\0\0\0\0\x01", 10, E_BAD_BINARY},
        {OID_NUMERIC, "\0\x01\0\0\0\0\0\0\x7f\xff", 10, E_BAD_BINARY},
        {OID_NUMERIC, "\0\x01\0\0\x12\x34\0\0\0\x01", 10, E_BAD_BINARY},
        {OID_NUMERIC, "\0\x01\0\0\0\0\x7f\xff\0\x01", 10, E_BAD_BINARY},
        {OID_NUMERIC, "\0\0\0\0\xe0\0\0\0", 8, E_BAD_BINARY},
        {OID_RECORD, "x", 1, E_UNSUPPORTED},
        {OID_INT4_ARRAY, "\0\0\0\1\0\0\0\0\0\0\0\x17", 12, E_BAD_BINARY},
        {OID_INT4_ARRAY, "\0\0\0\1\0\0\0\0\0\0\0\x19\0\0\0\0\0\0\0\1", 20, "42804"},
        {OID_INT4_ARRAY, "\0\0\0\7\0\0\0\0\0\0\0\x17", 12, "54000"},
        {OID_INT4_ARRAY, "\xff\xff\xff\xff\0\0\0\0\0\0\0\x17", 12, E_BAD_BINARY},
        {OID_INT4_ARRAY, "\0\0\0\1\0\0\0\0\0\0\0\x17\x7f\xff\xff\xff\0\0\0\1", 20, "54000"},
        {OID_INT4_ARRAY, "\0\0\0\1\0\0\0\0\0\0\0\x17\7\xff\xff\xff\0\0\0\1", 20, E_BAD_BINARY},
        {OID_INT4_ARRAY, "\0\0\0\1\0\0\0\0\0\0\0\x17\0\0\0\1\0\0\0\1\0\0\0\5\0\0\0\0", 28,
         E_BAD_BINARY},
        {OID_TIMESTAMP, "\0\0\0\0", 4, E_BAD_BINARY},
        {OID_TIMESTAMP, "\x7f\xff\xff\xff\xff\xff\xff\xfe", 8, "22008"},
        {OID_TIMESTAMPTZ, "\x80\0\0\0\0\0\0\x01", 8, "22008"},
        {OID_DATE, "\x7f\xff\xff\xfe", 4, "22008"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        char *copy = mem_alloc(cases[i].n);
        memcpy(copy, cases[i].bytes, cases[i].n);
        struct value v;
        struct error *e = type_recv(type_by_oid(cases[i].type), copy, cases[i].n, -1, &a, &v);
        if (!error_is(e, cases[i].sqlstate))
            fail_msg("case %zu: %s", i, e ? e->sqlstate : "accepted");
        error_free(e);
        mem_free(copy);
    }
}

/* A type of the catalog is found with its array type; changing it keeps the oid; the same again is
 * nothing new. */
static void test_types_made_at_run_time(void **state)
{
    struct type t = *type_by_oid(OID_TEXT);
    t.oid = 900001;
    t.array = 900002;
    t.name = t.sql_name = "mood";
    t.data = "sad\0happy";
    t.data_size = 10;
    assert_null(type_by_oid(900001));
    const struct type *made = type_add(&t);
    assert_ptr_equal(type_by_oid(900001), made);
    assert_ptr_equal(type_add(&t), made);
    const struct type *array = type_by_oid(900002);
    assert_int_equal(array->element, 900001);
    assert_string_equal(array->sql_name, "mood[]");
    assert_null(type_by_name("mood"));
    for (uint32_t i = 0; i < 2000; i++) { /* the table grows */
        t.oid = 910000 + 2 * i;
        t.array = t.oid + 1;
        type_add(&t);
    }
    assert_ptr_equal(type_by_oid(900001), made);
    assert_int_equal(type_by_oid(911001)->element, 911000);
    t.oid = 900001;
    t.data_size = 3;
    assert_ptr_not_equal(type_add(&t), made);
    assert_int_equal(type_by_oid(900001)->data_size, 3);
}

/* Numbers beyond PostgreSQL's limits are refused before memory grows. */
static void test_numeric_limits(void **state)
{
    static const struct call_case cases[] = {
        {"^",
         FUNC_OPERATOR,
         {"numeric:10", "numeric:2000000000"},
         "!22003 value overflows numeric format"},
        {"*",
         FUNC_OPERATOR,
         {"numeric:1e131071", "numeric:1e131071"},
         "!22003 value overflows numeric format"},
        {"factorial", FUNC_SCALAR, {"int8:9000000000"}, "!22003 value overflows numeric format"},
        {"repeat",
         FUNC_SCALAR,
         {"text:abc", "int4:2147483647"},
         "!54000 requested length too large"},
        {"lpad", FUNC_SCALAR, {"text:abc", "int4:2147483647"}, "!54000 requested length too large"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        run_call(&cases[i]);
    assert_int_equal(failures, 0);
}

/* NaN, which SQLite cannot hold, passes through it and back, and is no NULL. */
static void test_nan_is_a_value(void **state)
{
    static const struct call_case cases[] = {
        {"-", FUNC_OPERATOR, {"float8:Infinity", "float8:Infinity"}, "double precision NaN"},
        {"+", FUNC_OPERATOR, {"float8:1", "unknown:NaN"}, "double precision NaN"},
        {"+", FUNC_OPERATOR, {"numeric:1", "unknown:NaN"}, "numeric NaN"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        run_call(&cases[i]);
    assert_int_equal(failures, 0);
}

/* ---- columns ---- */

static const char *coerce(uint32_t type, int32_t typmod, struct value v, struct arena *a)
{
    struct error *e = type_coerce(type_by_oid(type), typmod, &v, a);
    return e ? describe_error(e, a) : print_value(type, &v, a);
}

/* A value is fitted to its column, or refused as PostgreSQL does. */
static void test_coerce(void **state)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct value big = {.kind = VALUE_INT, .i = 70000}, third = {.kind = VALUE_REAL, .r = 1.0 / 3};
    struct value text = {.kind = VALUE_TEXT, .s = {"abc  ", 5}};
    expect("int2", coerce(OID_INT2, -1, big, &a), "!22003 smallint out of range");
    expect("int4", coerce(OID_INT4, -1, big, &a), "70000");
    expect("float4", coerce(OID_FLOAT4, -1, third, &a), "0.33333334");
    third.r = 1e300;
    expect("float4", coerce(OID_FLOAT4, -1, third, &a), "!22003 value out of range: overflow");
    expect("float8 from int", coerce(OID_FLOAT8, -1, big, &a), "70000");
    expect("varchar", coerce(OID_VARCHAR, 4 + 3, text, &a), "abc");
    expect("varchar", coerce(OID_VARCHAR, 4 + 2, text, &a),
           "!22001 value too long for type character varying(2)");
    expect("char", coerce(OID_BPCHAR, -1, text, &a), "abc  ");
    expect("char", coerce(OID_BPCHAR, 4 + 4, text, &a), "abc ");
    expect("char", coerce(OID_BPCHAR, 4 + 6, text, &a), "abc   ");
    expect("char", coerce(OID_BPCHAR, 4 + 2, text, &a),
           "!22001 value too long for type character(2)");
    struct error *e = type_coerce(type_by_oid(OID_INT4), -1, &text, &a);
    assert_true(error_is(e, E_INTERNAL));
    error_free(e);
    assert_int_equal(failures, 0);
}

/* Casts with a length cut silently, assignment refuses; char(n) has its blanks. */
static void test_typmods(void **state)
{
    _cleanup_(arena_done) struct arena a = {0};
    expect("cast", query("SELECT varchar_cut('abcdef', 7)", &a), "abc");
    expect("assign", query("SELECT varchar_assign('abcdef', 7)", &a),
           "!22001 value too long for type character varying(3)");
    expect("cast", query("SELECT bpchar_cut('a bcd', 6)", &a), "a ");
    expect("assign", query("SELECT '[' || bpchar_assign('日本', 8) || ']'", &a), "[日本  ]");
    assert_ptr_equal(cast_typmod_func(OID_INT4, true), NULL);
    expect("label", type_label(OID_VARCHAR, 14, &a), "character varying(10)");
    expect("label", type_label(OID_BPCHAR, 16, &a), "character(12)");
    expect("label", type_label(OID_FLOAT8, -1, &a), "double precision");
    expect("label", type_label(OID_NUMERIC, ((10 << 16) | 2) + 4, &a), "numeric(10,2)");
    static const char *const names[] = {"int",
                                        "integer",
                                        "int4",
                                        "double precision",
                                        "character varying",
                                        "char",
                                        "decimal",
                                        "boolean",
                                        "real",
                                        "smallint",
                                        "bigint"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_non_null(type_by_name(names[i]));
    assert_null(type_by_name("nosuch"));
    assert_int_equal(failures, 0);
}

/* ---- date and time ---- */

static int64_t parse_int(const char *type, const char *text)
{
    struct value v = {0};
    assert_null(type_parse(type_by_name(type), text, strlen(text), -1, NULL, &v));
    return v.i;
}

static void assert_is_now(int64_t us)
{
    int64_t clock = (int64_t)clock_wall_ms() * 1000 - INT64_C(946684800000000);
    assert_true(us > clock - 60000000 && us < clock + 60000000);
}

/* 'now' and clock_timestamp() are the clock, today and its neighbours are midnights a day apart. */
static void test_clock_words(void **state)
{
    const int64_t day = INT64_C(86400000000);
    assert_is_now(parse_int("timestamptz", "now"));
    assert_is_now(parse_int("timestamp", " NOW "));
    int64_t today, tomorrow, yesterday;
    do { /* again, should midnight have passed meanwhile */
        today = parse_int("timestamp", "today");
        tomorrow = parse_int("timestamp", "tomorrow");
        yesterday = parse_int("timestamptz", "yesterday UTC");
    } while (today != parse_int("timestamp", "today"));
    assert_int_equal(today % day, 0);
    assert_int_equal(tomorrow - today, day);
    assert_int_equal(today - yesterday, day);
    assert_int_equal(parse_int("timestamp", "today 10:00") % day, day / 24 * 10);
    assert_in_range(parse_int("date", "now") - today / day, 0, 1);
    const struct func *f;
    struct value direct, native = {0};
    assert_null(func_resolve("clock_timestamp", FUNC_SCALAR, NULL, 0, &f));
    assert_true(f->volatile_);
    assert_null(f->call(NULL, 0, NULL, &direct));
    assert_null(run_sql("SELECT clock_timestamp()", NULL, 0, NULL, &native));
    assert_is_now(direct.i);
    assert_true(native.i >= direct.i);
}

/* Literals that mean another time tomorrow are known, so that no cached statement keeps them. */
static void test_literals_of_the_clock(void **state)
{
    static const struct {
        uint32_t type;
        const char *text;
        bool clock;
    } cases[] = {
        {OID_TIMESTAMP, "now", true},        {OID_TIMESTAMPTZ, " Today 10:00+02", true},
        {OID_DATE, "yesterday", true},       {OID_TIMESTAMP, "2026-11-22", false},
        {OID_TIMESTAMP, "epoch", false},     {OID_TIMESTAMPTZ, "infinity", false},
        {OID_TIMESTAMP, "now or so", false}, {OID_TEXT, "now", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (type_reads_clock(type_by_oid(cases[i].type), cases[i].text, strlen(cases[i].text)) !=
            cases[i].clock)
            fail_msg("%s", cases[i].text);
}

/* A precision rounds on assignment, in a cast and on the wire, and is part of the type's name. */
static void test_timestamp_precision(void **state)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct value v = {.kind = VALUE_INT, .i = 1234567}, wire = {0};
    expect("assign", coerce(OID_TIMESTAMP, 3, v, &a), "2000-01-01 00:00:01.235");
    expect("assign", coerce(OID_TIMESTAMPTZ, 0, v, &a), "2000-01-01 00:00:01+00");
    expect("assign", coerce(OID_TIMESTAMP, -1, v, &a), "2000-01-01 00:00:01.234567");
    v.i = INT64_MAX;
    expect("assign", coerce(OID_TIMESTAMP, 0, v, &a), "infinity");
    v.i = INT64_MAX - 1;
    expect("assign", coerce(OID_TIMESTAMP, 0, v, &a), "!22008 timestamp out of range");
    v.i = 3000000000;
    expect("assign", coerce(OID_DATE, -1, v, &a), "!22008 date out of range");
    assert_ptr_equal(cast_typmod_func(OID_TIMESTAMP, true),
                     cast_typmod_func(OID_TIMESTAMPTZ, false));
    expect("cast", query("SELECT timestamp_typmod(1234567, 5)", &a), "1234570");
    assert_null(type_recv(type_by_oid(OID_TIMESTAMP), "\0\0\0\0\0\x12\xd6\x87", 8, 1, &a, &wire));
    assert_int_equal(wire.i, 1200000);
    expect("label", type_label(OID_TIMESTAMP, 3, &a), "timestamp(3) without time zone");
    expect("label", type_label(OID_TIMESTAMPTZ, 0, &a), "timestamp(0) with time zone");
    expect("label", type_label(OID_TIMESTAMPTZ, -1, &a), "timestamp with time zone");
    expect("label", type_label(OID_DATE, -1, &a), "date");
    assert_non_null(type_by_name("timestamp without time zone"));
    assert_int_equal(failures, 0);
}

/* timestamp and timestamptz become each other by the time zone; text casts need the right context.
 */
static void test_datetime_cast_contexts(void **state)
{
    assert_non_null(cast_find(OID_TIMESTAMP, OID_TIMESTAMPTZ, CAST_IMPLICIT)->func);
    assert_null(cast_find(OID_TIMESTAMPTZ, OID_TIMESTAMP, CAST_IMPLICIT));
    assert_non_null(cast_find(OID_TIMESTAMPTZ, OID_TIMESTAMP, CAST_ASSIGNMENT)->func);
    assert_non_null(cast_find(OID_DATE, OID_TIMESTAMP, CAST_IMPLICIT));
    assert_null(cast_find(OID_TIMESTAMP, OID_DATE, CAST_IMPLICIT));
    assert_non_null(cast_find(OID_TIMESTAMP, OID_DATE, CAST_ASSIGNMENT));
    assert_null(cast_find(OID_TIMESTAMP, OID_TEXT, CAST_IMPLICIT));
    assert_non_null(cast_find(OID_TIMESTAMP, OID_TEXT, CAST_ASSIGNMENT));
    assert_null(cast_find(OID_TEXT, OID_TIMESTAMP, CAST_ASSIGNMENT));
    assert_non_null(cast_find(OID_TEXT, OID_TIMESTAMP, CAST_EXPLICIT));
}

/* ---- SQLite's errors ---- */

static void expect_sqlite(const char *sql, const char *wanted, const char *table,
                          const char *column, const char *constraint)
{
    _cleanup_(arena_done) struct arena a = {0};
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    struct error *e = types_sqlite_error(db, rc);
    if (table)
        expect(sql, e->table ? e->table : "(none)", table);
    if (column)
        expect(sql, e->column ? e->column : "(none)", column);
    if (constraint)
        expect(sql, e->constraint ? e->constraint : "(none)", constraint);
    expect(sql, describe_error(e, &a), wanted);
}

/* Constraint failures become PostgreSQL's errors, with the names that SQLite knows. */
static void test_constraint_errors(void **state)
{
    sqlite3_exec(db,
                 "PRAGMA foreign_keys = on; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT NOT NULL,"
                 " c INT, d INT, CONSTRAINT c_positive CHECK (c > 0), UNIQUE (c, d)) STRICT;"
                 "CREATE TABLE k(x TEXT, y TEXT, PRIMARY KEY (x, y));"
                 "CREATE TABLE f(a INTEGER REFERENCES t(a));"
                 "INSERT INTO t VALUES (1, 'x', 1, 1); INSERT INTO k VALUES ('a', 'b')",
                 0, 0, 0);
    expect_sqlite("INSERT INTO t VALUES (1, 'x', 2, 2)",
                  "!23505 duplicate key value violates unique constraint \"t_pkey\"", "t", "a",
                  "t_pkey");
    expect_sqlite("INSERT INTO k VALUES ('a', 'b')",
                  "!23505 duplicate key value violates unique constraint \"k_pkey\"", "k", "x, y",
                  "k_pkey");
    expect_sqlite("INSERT INTO t VALUES (2, 'x', 1, 1)",
                  "!23505 duplicate key value violates unique constraint \"t_c_d_key\"", "t",
                  "c, d", "t_c_d_key");
    expect_sqlite(
        "INSERT INTO t VALUES (2, NULL, 2, 2)",
        "!23502 null value in column \"b\" of relation \"t\" violates not-null constraint", "t",
        "b", NULL);
    expect_sqlite("INSERT INTO t VALUES (2, 'x', 0, 0)",
                  "!23514 new row violates check constraint \"c_positive\"", NULL, NULL,
                  "c_positive");
    expect_sqlite("INSERT INTO f VALUES (9)",
                  "!23503 insert, update or delete violates foreign key constraint", NULL, NULL,
                  NULL);
    assert_int_equal(failures, 0);
}

/* What a function raised inside SQLite comes back with its state, message and hint. */
static void test_raised_errors(void **state)
{
    expect_sqlite("SELECT int4_add(2147483647, 1)", "!22003 integer out of range", NULL, NULL,
                  NULL);
    expect_sqlite("SELECT sum(x) FROM (SELECT 9223372036854775807 x UNION ALL SELECT 1)",
                  "!22003 bigint out of range", NULL, NULL, NULL);
    expect_sqlite("SELECT ntile(0) OVER () FROM (SELECT 1)",
                  "!22014 argument of ntile must be greater than zero", NULL, NULL, NULL);
    expect_sqlite("SELECT text_left(5, 1)",
                  "!XX000 function text_left was given a value of another type", NULL, NULL, NULL);
    int rc = sqlite3_exec(db, "SELECT regex_match('x', '[[.hyphen.]]')", NULL, NULL, NULL);
    struct error *e = types_sqlite_error(db, rc);
    assert_true(error_is(e, E_UNSUPPORTED));
    assert_non_null(e->hint);
    error_free(e);
    assert_int_equal(failures, 0);
}

/* An index serves the comparisons that are emitted natively. */
static void test_comparisons_use_indexes(void **state)
{
    sqlite3_exec(db, "CREATE TABLE i(a INTEGER PRIMARY KEY, b TEXT UNIQUE) STRICT", 0, 0, 0);
    static const char *const wheres[] = {"a", "b"};
    static const uint32_t types[][2] = {{OID_INT4, OID_INT8}, {OID_TEXT, OID_TEXT}};
    for (int i = 0; i < 2; i++) {
        _cleanup_(arena_done) struct arena a = {0};
        const struct func *f;
        assert_null(func_resolve("=", FUNC_OPERATOR, types[i], 2, &f));
        assert_string_equal(f->emit, "($1 = $2)");
        sqlite3_stmt *stmt;
        char *sql =
            arena_printf(&a, "EXPLAIN QUERY PLAN SELECT * FROM i WHERE (%s = ?1)", wheres[i]);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        assert_non_null(strstr((const char *)sqlite3_column_text(stmt, 3), "SEARCH"));
        sqlite3_finalize(stmt);
    }
}

/* Errors of resolution say which types were given and what to do. */
static void test_resolution_hints(void **state)
{
    const struct func *f;
    struct error *e = func_resolve("=", FUNC_OPERATOR, (uint32_t[]){OID_INT4, OID_TEXT}, 2, &f);
    assert_string_equal(e->message, "operator does not exist: integer = text");
    assert_string_equal(e->hint, "No operator matches the given name and argument types. You might "
                                 "need to add explicit type casts.");
    error_free(e);
    e = func_resolve("foo", FUNC_SCALAR, (uint32_t[]){OID_BPCHAR}, 1, &f);
    assert_string_equal(e->message, "function foo(character) does not exist");
    assert_string_equal(e->sqlstate, E_UNDEFINED_FUNCTION);
    error_free(e);
    e = func_resolve("-", FUNC_OPERATOR, (uint32_t[]){OID_TEXT}, 1, &f);
    assert_string_equal(e->hint, "No operator matches the given name and argument type. You might "
                                 "need to add an explicit type cast.");
    error_free(e);
    /* a window function takes the type of its value */
    assert_null(func_resolve("lag", FUNC_WINDOW, (uint32_t[]){OID_VARCHAR, OID_INT4}, 2, &f));
    struct binding b;
    assert_null(func_bind(f, (uint32_t[]){OID_VARCHAR, OID_INT4}, 2, &b));
    assert_int_equal(b.result, OID_VARCHAR);
}

/* A long statement is compiled without the names of its parameters: the numbers stay, in whatever
 * order, and what looks like one in a text or a name is none. */
static void test_parameters_keep_their_numbers(void **state)
{
    _cleanup_(buf_done) struct buf sql = {0};
    sqlite3_stmt *stmt;
    buf_puts(&sql, "SELECT ?2 || ?1 || ?2 || ?3 || ?5 || ?4 || ?6 || ' ?7 it''s ?8' AS \"?7\"");
    buf_printf(&sql, ", '%*s'", 10000, "");
    assert_int_equal(types_sqlite_prepare(db, sql.data, sql.len, 0, &stmt), SQLITE_OK);
    assert_int_equal(sqlite3_bind_parameter_count(stmt), 6);
    assert_null(sqlite3_bind_parameter_name(stmt, 6)); /* it was shortened */
    for (int i = 1; i <= 6; i++)
        assert_int_equal(sqlite3_bind_int(stmt, i, i), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "2123546 ?7 it's ?8");
    assert_string_equal(sqlite3_column_name(stmt, 0), "?7");
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
}

/* What is no record, or lies too deep in itself, ends where it is wrong. */
static void test_damaged_records(void **state)
{
    static const struct {
        const char *stored, *printed;
    } cases[] = {
        {"1;23.2:id1:525.0:-", "(5,)"},
        {"1;", "()"},
        {"", "()"},
        {"1", "()"},
        {"1;23.99:id1:5", "()"},
        {"1;23.2:id1:525.0:9:x", "(5)"},
        {"1;23.2:id1:599999999.0:-", "(5)"},
        {"1;23.2:id99999999999999999999:5", "()"},
        {"1;23.0:1:x", "()"},
        {"501;23.0:1:1", "()"},
        {"0;23.0:1:1", "()"},
        {"2;2249.0:8:1;23.0:-", "(\"()\")"},
        {"1;2249.0:8:1;23.0:-", "()"},
        {"1;2287.0:-23.0:1:1", "(,1)"},
    };
    const struct type *record = type_by_oid(OID_RECORD);
    const struct value other = value_of_text("1;23.0:1:7", 10);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(buf_done) struct buf text = {0}, sent = {0};
        size_t n = strlen(cases[i].stored);
        char *copy = mem_alloc(n + 1); /* no 0 after it */
        memcpy(copy + 1, cases[i].stored, n);
        const struct value v = value_of_text(copy + 1, n);
        type_print(record, &v, -1, &text);
        if (strlen(cases[i].printed) != text.len ||
            memcmp(text.data, cases[i].printed, text.len) != 0)
            fail_msg("%s: %.*s", cases[i].stored, (int)text.len, text.data);
        record->send(record, &v, -1, &sent);
        assert_true(sent.len >= 4);
        assert_int_equal(type_compare(record, &v, &other) < 0, i < 11 || i == 12);
        mem_free(copy);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_db, close_db)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_calls),
        CASE(test_casts),
        CASE(test_input_and_output),
        CASE(test_aggregates),
        CASE(test_string_agg),
        CASE(test_rows_are_complete),
        CASE(test_numeric_collation),
        CASE(test_hash),
        CASE(test_bad_wire_values),
        CASE(test_damaged_records),
        CASE(test_types_made_at_run_time),
        CASE(test_numeric_limits),
        CASE(test_nan_is_a_value),
        CASE(test_coerce),
        CASE(test_typmods),
        CASE(test_clock_words),
        CASE(test_literals_of_the_clock),
        CASE(test_timestamp_precision),
        CASE(test_datetime_cast_contexts),
        CASE(test_constraint_errors),
        CASE(test_raised_errors),
        CASE(test_comparisons_use_indexes),
        CASE(test_resolution_hints),
        CASE(test_parameters_keep_their_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
