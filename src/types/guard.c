/*
 * Guards: functions that the SQL of sql/ calls where SQLite would accept in silence what PostgreSQL
 * refuses. No user calls them by these names, though nothing would happen if one did.
 *
 *   minisql_single(x)                 the one row of a scalar subquery: a second one is 21000
 *   minisql_required(x, table, col)   a value for a row id, where SQLite would replace NULL: 23502
 *   minisql_limit(n), minisql_offset(n)   what LIMIT and OFFSET get
 *   minisql_real(bits)                a constant that SQLite would not read exactly
 *   minisql_greatest(type, x, ..), minisql_least(..)  as PostgreSQL's, each argument printed once
 *   minisql_watched(table, key, what, ..) a foreign key may be broken: whoever runs the statement
 *                                         is told
 *   minisql_watching()                is it to be looked for?
 */
#include "types/types_int.h"

/* ---- minisql_single ------------------------------------------------------------------------- */

/* `overflow` says that the one value is NULL */
static void single_init(struct agg_state *s)
{
    *s = (struct agg_state){.overflow = true};
}

static struct error *single_step(struct agg_state *s, const struct value *args, int nargs)
{
    if (s->count++ > 0)
        return error_new("21000", "more than one row returned by a subquery used as an expression");
    const struct value *v = &args[0];
    s->overflow = v->kind == VALUE_NULL;
    if (v->kind == VALUE_INT) {
        s->i = v->i;
    } else if (v->kind == VALUE_REAL) {
        s->r = v->r;
    } else if (v->kind != VALUE_NULL) {
        s->s.p = mem_strndup(v->s.p, v->s.n);
        s->s.n = v->s.n;
    }
    return NULL;
}

static struct error *single_merge(struct agg_state *into, const struct agg_state *from)
{
    (void)into;
    (void)from;
    return error_new(E_INTERNAL, "a scalar subquery is not computed in parts");
}

static struct error *int_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    (void)a;
    *ret = s->overflow ? (struct value){.kind = VALUE_NULL} : value_int(s->i);
    return NULL;
}

static struct error *real_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    (void)a;
    *ret = s->overflow ? (struct value){.kind = VALUE_NULL} : value_real(s->r);
    return NULL;
}

static struct error *text_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    *ret = s->overflow ? (struct value){.kind = VALUE_NULL}
                       : value_text(arena_strndup(a, s->s.p, s->s.n), s->s.n);
    return NULL;
}

static struct error *blob_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    TRY(text_final(s, a, ret));
    if (ret->kind == VALUE_TEXT)
        ret->kind = VALUE_BLOB;
    return NULL;
}

static void text_done(struct agg_state *s)
{
    if (!s->overflow)
        mem_free(s->s.p);
    single_init(s);
}

static const struct agg int_agg = {single_init, single_step, single_merge, int_final, NULL};
static const struct agg real_agg = {single_init, single_step, single_merge, real_final, NULL};
static const struct agg text_agg = {single_init, single_step, single_merge, text_final, text_done};
static const struct agg blob_agg = {single_init, single_step, single_merge, blob_final, text_done};

/* ---- values ------------------------------------------------------------------------------------
 */

static _Thread_local int *missing;

void types_count_missing(int *count)
{
    missing = count;
}

static CALL(required)
{
    if (missing && v[0].kind == VALUE_NULL)
        ++*missing;
    if (missing || v[0].kind != VALUE_NULL) {
        *ret = v[0];
        return NULL;
    }
    struct error *e = error_new(E_NOT_NULL,
                                "null value in column \"%.*s\" of relation \"%.*s\" violates "
                                "not-null constraint",
                                (int)v[2].s.n, v[2].s.p, (int)v[1].s.n, v[1].s.p);
    e->table = mem_strndup(v[1].s.p, v[1].s.n);
    e->column = mem_strndup(v[2].s.p, v[2].s.n);
    return e;
}

static _Thread_local const struct types_key_watch *key_watch;

void types_watch_keys(const struct types_key_watch *w)
{
    key_watch = w;
}

static CALL(key)
{
    if (key_watch && v[0].kind == VALUE_TEXT && v[1].kind == VALUE_TEXT && v[2].kind == VALUE_TEXT)
        key_watch->told(key_watch->ctx, v, n);
    *ret = (struct value){.kind = VALUE_NULL};
    return NULL;
}

static CALL(watching)
{
    *ret = value_int(!key_watch || !key_watch->rests);
    return NULL;
}

static CALL(limit)
{
    if (v->kind != VALUE_NULL && v->i < 0)
        return error_new("2201W", "LIMIT must not be negative");
    *ret = value_int(v->kind == VALUE_NULL ? -1 : v->i);
    return NULL;
}

static CALL(offset)
{
    if (v->kind != VALUE_NULL && v->i < 0)
        return error_new("2201X", "OFFSET must not be negative");
    *ret = value_int(v->kind == VALUE_NULL ? 0 : v->i);
    return NULL;
}

/* ---- rows
 * ---------------------------------------------------------------------------------------- */

#define SINGLE(type, suffix)                                                                       \
    {                                                                                              \
        .name = "minisql_single", .kind = FUNC_AGGREGATE, .nargs = 1, .args = {type},              \
        .result = type, .sqlite_name = "minisql_single_" #suffix,                                  \
        .over_emit = "minisql_single_" #suffix "_over($1)", .agg = &suffix##_agg                   \
    }
#define REQUIRED(type, suffix)                                                                     \
    {                                                                                              \
        .name = "minisql_required", .kind = FUNC_SCALAR, .nargs = 3,                               \
        .args = {type, OID_TEXT, OID_TEXT}, .result = type, .guard = true,                         \
        .sqlite_name = "minisql_required_" #suffix, .call = required                               \
    }
#define VALUE(fn, null_passes)                                                                     \
    {                                                                                              \
        .name = "minisql_" #fn, .kind = FUNC_SCALAR, .nargs = 1, .args = {OID_INT8},               \
        .result = OID_INT8, .strict = !(null_passes), .guard = true,                               \
        .sqlite_name = "minisql_" #fn, .call = fn                                                  \
    }

static CALL(changed_once)
{
    if (v[0].i > 1)
        return error_hint(error_new("21000", "MERGE command cannot affect row a second time"),
                          "Ensure that not more than one source row matches any one target row.");
    *ret = v[0];
    return NULL;
}

/* WITH CHECK OPTION of the view of this name. */
static CALL(view_violated)
{
    return error_new("44000", "new row violates check option for view \"%.*s\"", (int)v[0].s.n,
                     v[0].s.p);
}

static CALL(view_hides)
{
    return error_new("55000", "conflicting row is not visible through view \"%.*s\"", (int)v[0].s.n,
                     v[0].s.p);
}

#define OF_VIEW(fn)                                                                                \
    {                                                                                              \
        .name = "minisql_" #fn, .kind = FUNC_SCALAR, .nargs = 1, .args = {OID_TEXT},               \
        .result = OID_BOOL, .strict = true, .guard = true, .sqlite_name = "minisql_" #fn,          \
        .call = fn                                                                                 \
    }

static CALL(real)
{
    double r;
    memcpy(&r, &v[0].i, sizeof(r));
    *ret = value_real(r);
    return NULL;
}

static void extreme(const struct value *v, int n, int sign, struct value *ret)
{
    const struct type *t = type_by_oid((uint32_t)v[0].i);
    *ret = (struct value){.kind = VALUE_NULL};
    for (int i = 1; t && i < n; i++)
        if (v[i].kind != VALUE_NULL &&
            (ret->kind == VALUE_NULL || sign * type_compare(t, &v[i], ret) > 0))
            *ret = v[i];
}

static CALL(greatest)
{
    extreme(v, n, 1, ret);
    return NULL;
}

static CALL(least)
{
    extreme(v, n, -1, ret);
    return NULL;
}

#define EXTREME(fn)                                                                                \
    {                                                                                              \
        .name = "minisql_" #fn, .kind = FUNC_SCALAR, .nargs = 2,                                   \
        .args = {OID_INT8, OID_ANYELEMENT}, .variadic = true, .result = OID_ANYELEMENT,            \
        .guard = true, .sqlite_name = "minisql_" #fn, .call = fn                                   \
    }

static const struct func rows[] = {
    EXTREME(greatest),
    EXTREME(least),
    OF_VIEW(view_hides),
    OF_VIEW(view_violated),
    SINGLE(OID_INT8, int),
    SINGLE(OID_FLOAT8, real),
    SINGLE(OID_TEXT, text),
    SINGLE(OID_BYTEA, blob),
    REQUIRED(OID_INT8, int),
    REQUIRED(OID_FLOAT8, real),
    REQUIRED(OID_TEXT, text),
    REQUIRED(OID_BYTEA, blob),
    VALUE(limit, true),
    VALUE(offset, true),
    VALUE(changed_once, false),
    {.name = "minisql_real",
     .kind = FUNC_SCALAR,
     .nargs = 1,
     .args = {OID_INT8},
     .result = OID_FLOAT8,
     .strict = true,
     .guard = true,
     .sqlite_name = "minisql_real",
     .call = real},
    {.name = "minisql_watched",
     .kind = FUNC_SCALAR,
     .nargs = 4,
     .args = {OID_TEXT, OID_TEXT, OID_TEXT, OID_ANYELEMENT},
     .variadic = true,
     .result = OID_BOOL,
     .volatile_ = true,
     .sqlite_name = "minisql_watched",
     .call = key},
    {.name = "minisql_watching",
     .kind = FUNC_SCALAR,
     .result = OID_BOOL,
     .volatile_ = true,
     .sqlite_name = "minisql_watching",
     .call = watching},
};

const struct func_rows types__guard_funcs = {rows, ARRAY_LEN(rows)};
