/*
 * Functions that return rows: generate_series(), unnest(), generate_subscripts(),
 * string_to_table(), and what the analyser makes of op ANY (array).
 *
 * They give their rows one by one, so that a LIMIT ends a long series. Several of them in one ROWS
 * FROM, or in one target list, are several sets side by side: see sqlite_set.c.
 */
#include "types/types_int.h"

/* ---- lists --------------------------------------------------------------------------------------
 */

struct error *types__set_list_next(void *state, struct arena *row, struct value *ret,
                                   bool *ret_more)
{
    struct set_list *l = state;
    *ret_more = l->at < l->n;
    if (*ret_more)
        *ret = l->items[l->at++];
    return NULL;
}

/* ---- generate_series
 * ----------------------------------------------------------------------------- */

struct series {
    struct value next, last, step;
    bool down, end;
    const struct func *add; /* NULL: integers */
    const struct type *type;
};

static struct error *zero_step(void)
{
    return error_new("22023", "step size cannot equal zero");
}

static bool beyond(const struct series *s)
{
    int order = type_compare(s->type, &s->next, &s->last);
    return s->down ? order < 0 : order > 0;
}

static struct error *int_series(const struct value *v, int n, uint32_t type, struct arena *a,
                                void **ret)
{
    struct series *s = ARENA_NEW(a, struct series);
    s->type = type_by_oid(type);
    s->next = v[0];
    s->last = v[1];
    s->step = n == 3 ? v[2] : value_int(1);
    s->down = s->step.i < 0;
    *ret = s;
    return s->step.i == 0 ? zero_step() : NULL;
}

static struct error *int4_series(const struct value *v, int n, struct arena *a, void **ret)
{
    return int_series(v, n, OID_INT4, a, ret);
}

static struct error *int8_series(const struct value *v, int n, struct arena *a, void **ret)
{
    return int_series(v, n, OID_INT8, a, ret);
}

static struct error *int_next(void *state, struct arena *row, struct value *ret, bool *ret_more)
{
    struct series *s = state;
    *ret_more = !s->end && !beyond(s);
    *ret = s->next;
    s->end = __builtin_add_overflow(s->next.i, s->step.i, &s->next.i);
    return NULL;
}

enum { ROOM = 2048 }; /* for the text of a numeric of a series */

struct sum_series {
    struct series s;
    char text[2][ROOM]; /* of `next`, and of the value given last */
    int turn;
};

static struct error *sum_series(const struct value *v, const struct value *step, uint32_t type,
                                uint32_t step_type, struct arena *a, struct sum_series **ret)
{
    struct sum_series *s = ARENA_NEW(a, struct sum_series);
    const uint32_t types[2] = {type, step_type};
    s->s.type = type_by_oid(type);
    TRY(func_resolve("+", FUNC_OPERATOR, types, 2, &s->s.add));
    s->s.next = v[0];
    s->s.last = v[1];
    s->s.step = *step;
    *ret = s;
    return NULL;
}

static struct error *numeric_series(const struct value *v, int n, struct arena *a, void **ret)
{
    const struct value one = value_text("1", 1), zero = value_text("0", 1);
    struct sum_series *s;
    static const char *const names[] = {"start value", "stop value", "step size"};
    for (int i = 0; i < n; i++) {
        const char *p = memchr(v[i].s.p, 'N', v[i].s.n) ? "NaN" : "infinity";
        if (!types__numeric_finite(&v[i]))
            return error_new("22023", "%s cannot be %s", names[i], p);
    }
    TRY(sum_series(v, n == 3 ? &v[2] : &one, OID_NUMERIC, OID_NUMERIC, a, &s));
    int sign = types__numeric_compare(&s->s.step, &zero);
    s->s.down = sign < 0;
    *ret = s;
    return sign ? NULL : zero_step();
}

static struct error *time_series(const struct value *v, uint32_t type, struct arena *a, void **ret)
{
    struct sum_series *s;
    struct value zero;
    TRY(types__interval_parse("0", 1, -1, a, &zero));
    TRY(sum_series(v, &v[2], type, OID_INTERVAL, a, &s));
    int sign = types__interval_compare(&s->s.step, &zero);
    s->s.down = sign < 0;
    *ret = s;
    return sign ? NULL : zero_step();
}

static struct error *timestamp_series(const struct value *v, int n, struct arena *a, void **ret)
{
    return time_series(v, OID_TIMESTAMP, a, ret);
}

static struct error *timestamptz_series(const struct value *v, int n, struct arena *a, void **ret)
{
    return time_series(v, OID_TIMESTAMPTZ, a, ret);
}

static struct error *sum_next(void *state, struct arena *row, struct value *ret, bool *ret_more)
{
    struct sum_series *s = state;
    *ret_more = !beyond(&s->s);
    if (!*ret_more)
        return NULL;
    *ret = s->s.next;
    const struct value args[2] = {s->s.next, s->s.step};
    TRY(s->s.add->call(args, 2, row, &s->s.next));
    if (s->s.next.kind == VALUE_TEXT) { /* it has to outlive the row */
        char *room = s->text[s->turn ^= 1];
        if (s->s.next.s.n > ROOM)
            return error_new("54000", "a value of the series is too long");
        memcpy(room, s->s.next.s.p, s->s.next.s.n);
        s->s.next.s.p = room;
    }
    return NULL;
}

/* ---- arrays
 * ---------------------------------------------------------------------------------------- */

/* (array, type) */
static struct error *unnest(const struct value *v, int n, struct arena *a, void **ret)
{
    struct set_list *l = ARENA_NEW(a, struct set_list);
    struct array x;
    TRY(types__array_read(type_by_oid((uint32_t)v[n - 1].i), &v[0], a, &x));
    l->items = x.items;
    l->n = x.n;
    *ret = l;
    return NULL;
}

/* The right side of op ANY (array): a NULL array makes the answer NULL, as one NULL item does. */
static struct error *any_items(const struct value *v, int n, struct arena *a, void **ret)
{
    static struct value null = {.kind = VALUE_NULL};
    if (v[0].kind != VALUE_NULL)
        return unnest(v, n, a, ret);
    struct set_list *l = ARENA_NEW(a, struct set_list);
    *l = (struct set_list){.items = &null, .n = 1};
    *ret = l;
    return NULL;
}

/* (array, dimension[, reverse]) */
static struct error *subscripts(const struct value *v, int n, struct arena *a, void **ret)
{
    struct series *s = ARENA_NEW(a, struct series);
    struct array x;
    TRY(types__array_read(type_by_oid(OID_TEXT), &v[0], a, &x));
    int64_t d = v[1].i - 1;
    s->type = type_by_oid(OID_INT4);
    s->end = d < 0 || d >= x.n_dims;
    *ret = s;
    if (s->end)
        return NULL;
    s->down = n == 3 && v[2].i;
    int64_t low = x.lower[d], high = low + x.dims[d] - 1;
    s->next = value_int(s->down ? high : low);
    s->last = value_int(s->down ? low : high);
    s->step = value_int(s->down ? -1 : 1);
    return NULL;
}

struct numbered {
    struct array x;
    size_t at;
};

static struct error *expand(const struct value *v, int n, struct arena *a, void **ret)
{
    struct numbered *s = ARENA_NEW(a, struct numbered);
    *ret = s;
    return types__array_read(type_by_oid((uint32_t)v[n - 1].i), &v[0], a, &s->x);
}

/* x[i] of each i of the first dimension: NULL where there are more. */
static struct error *expand_next(void *state, struct arena *row, struct value *ret, bool *ret_more)
{
    struct numbered *s = state;
    *ret_more = s->x.n && s->at < (size_t)s->x.dims[0];
    if (*ret_more) {
        ret[0] = s->x.n_dims == 1 ? s->x.items[s->at] : (struct value){.kind = VALUE_NULL};
        s->at++;
        ret[1] = value_int((int64_t)s->at);
    }
    return NULL;
}

static struct error *string_to_table(const struct value *v, int n, struct arena *a, void **ret)
{
    struct set_list *l = ARENA_NEW(a, struct set_list);
    *ret = l;
    return v[0].kind == VALUE_NULL
               ? NULL
               : types__split(&v[0], &v[1], n == 3 ? &v[2] : NULL, a, &l->items, &l->n);
}

/* ---- the rows
 * ---------------------------------------------------------------------------------------- */

#define SET(name, fn, nxt) static const struct set name = {1, NULL, fn, nxt}

SET(int4_set, int4_series, int_next);
SET(int8_set, int8_series, int_next);
SET(numeric_set, numeric_series, sum_next);
SET(timestamp_set, timestamp_series, sum_next);
SET(timestamptz_set, timestamptz_series, sum_next);
SET(unnest_set, unnest, types__set_list_next);
SET(any_set, any_items, types__set_list_next);
SET(subscripts_set, subscripts, int_next);
SET(split_set, string_to_table, types__set_list_next);
static const struct set_column expanded[] = {{"x", OID_ANYELEMENT}, {"n", OID_INT4}};
static const struct set expand_set = {2, expanded, expand, expand_next};

#define ROWS(n, count, strict_, typed_, st, result_, ...)                                          \
    {                                                                                              \
        .name = n, .kind = FUNC_SET, .nargs = count, .args = {__VA_ARGS__}, .result = result_,     \
        .strict = strict_, .typed = typed_, .set = &st                                             \
    }
#define SERIES(type, step, st) ROWS("generate_series", 3, true, false, st, type, type, type, step)

static const struct func rows[] = {
    ROWS("generate_series", 2, true, false, int4_set, OID_INT4, OID_INT4, OID_INT4),
    ROWS("generate_series", 2, true, false, int8_set, OID_INT8, OID_INT8, OID_INT8),
    ROWS("generate_series", 2, true, false, numeric_set, OID_NUMERIC, OID_NUMERIC, OID_NUMERIC),
    SERIES(OID_INT4, OID_INT4, int4_set),
    SERIES(OID_INT8, OID_INT8, int8_set),
    SERIES(OID_NUMERIC, OID_NUMERIC, numeric_set),
    SERIES(OID_TIMESTAMP, OID_INTERVAL, timestamp_set),
    SERIES(OID_TIMESTAMPTZ, OID_INTERVAL, timestamptz_set),
    ROWS("unnest", 1, true, true, unnest_set, OID_ANYELEMENT, OID_ANYARRAY),
    ROWS("minisql_any", 1, false, true, any_set, OID_ANYELEMENT, OID_ANYARRAY),
    ROWS("generate_subscripts", 2, true, false, subscripts_set, OID_INT4, OID_ANYARRAY, OID_INT4),
    ROWS("generate_subscripts", 3, true, false, subscripts_set, OID_INT4, OID_ANYARRAY, OID_INT4,
         OID_BOOL),
    ROWS("_pg_expandarray", 1, true, true, expand_set, OID_RECORD, OID_ANYARRAY),
    ROWS("string_to_table", 2, false, false, split_set, OID_TEXT, OID_TEXT, OID_TEXT),
    ROWS("string_to_table", 3, false, false, split_set, OID_TEXT, OID_TEXT, OID_TEXT, OID_TEXT),
};

const struct func_rows types__set_funcs = {rows, ARRAY_LEN(rows)};
