/*
 * Aggregates over ints, floats, bool and text. The batch executor calls init/step/merge/final for
 * every row of large inputs, hence a step is an addition and a count where it can be. `final`
 * leaves the state as it was, so that a window function can ask for a value after each row.
 *
 * What SQLite computes exactly as PostgreSQL does is emitted natively: count, min, max, and sum
 * over int2 and int4 (an exact 64-bit sum whose overflow is an error).
 */
#include "types/types_int.h"

#include <math.h>

static void zero_init(struct agg_state *s)
{
    *s = (struct agg_state){0};
}

#define STEP(name) static struct error *name(struct agg_state *s, const struct value *v, int n)
#define MERGE(name) static struct error *name(struct agg_state *s, const struct agg_state *from)
#define FINAL(name)                                                                                \
    static struct error *name(struct agg_state *s, struct arena *a, struct value *ret)

static struct error *null_result(struct value *ret)
{
    *ret = (struct value){.kind = VALUE_NULL};
    return NULL;
}

/* ---- count ---- */

STEP(count_step)
{
    s->count++;
    return NULL;
}

MERGE(count_merge)
{
    s->count += from->count;
    return NULL;
}

FINAL(count_final)
{
    *ret = value_int((int64_t)s->count);
    return NULL;
}

static const struct agg count_agg = {zero_init, count_step, count_merge, count_final, NULL};

/* ---- sum over int2, int4: 2^32 rows of int4 fit into 64 bits ---- */

STEP(int_sum_step)
{
    s->count++;
    s->i += v->i;
    return NULL;
}

MERGE(int_sum_merge)
{
    s->count += from->count;
    if (__builtin_add_overflow(s->i, from->i, &s->i))
        return error_new(E_OUT_OF_RANGE, "bigint out of range");
    return NULL;
}

FINAL(int_sum_final)
{
    if (!s->count)
        return null_result(ret);
    *ret = value_int(s->i);
    return NULL;
}

FINAL(int_avg_final)
{
    return s->count ? types__numeric_avg(s->i, s->count, a, ret) : null_result(ret);
}

static const struct agg int_sum_agg = {zero_init, int_sum_step, int_sum_merge, int_sum_final, NULL};
static const struct agg int_avg_agg = {zero_init, int_sum_step, int_sum_merge, int_avg_final, NULL};

/* ---- sum, avg over int8: 128 bits hold 2^64 rows ---- */

STEP(wide_step)
{
    s->count++;
    s->wide += v->i;
    return NULL;
}

MERGE(wide_merge)
{
    s->count += from->count;
    s->wide += from->wide;
    return NULL;
}

FINAL(wide_sum_final)
{
    if (!s->count)
        return null_result(ret);
    types__numeric_of_wide(s->wide, a, ret);
    return NULL;
}

FINAL(wide_avg_final)
{
    return s->count ? types__numeric_avg(s->wide, s->count, a, ret) : null_result(ret);
}

static const struct agg int8_sum_agg = {zero_init, wide_step, wide_merge, wide_sum_final, NULL};
static const struct agg int8_avg_agg = {zero_init, wide_step, wide_merge, wide_avg_final, NULL};

/* ---- floats ---- */

static struct error *check_sum(double sum, double before, double added)
{
    return isinf(sum) && !isinf(before) && !isinf(added) ? types__float_overflow() : NULL;
}

STEP(float8_sum_step)
{
    double before = s->r;
    s->count++;
    s->r += v->r;
    return isfinite(s->r) ? NULL : check_sum(s->r, before, v->r);
}

STEP(float4_sum_step)
{
    double before = s->r;
    s->count++;
    s->r = (double)((float)s->r + (float)v->r);
    return isfinite(s->r) ? NULL : check_sum(s->r, before, v->r);
}

MERGE(float8_sum_merge)
{
    struct value sum = value_real(from->r);
    if (from->count)
        TRY(float8_sum_step(s, &sum, 1));
    s->count += from->count - (from->count ? 1 : 0);
    return NULL;
}

MERGE(float4_sum_merge)
{
    struct value sum = value_real(from->r);
    if (from->count)
        TRY(float4_sum_step(s, &sum, 1));
    s->count += from->count - (from->count ? 1 : 0);
    return NULL;
}

FINAL(float_sum_final)
{
    if (!s->count)
        return null_result(ret);
    *ret = value_real(s->r);
    return NULL;
}

FINAL(float_avg_final)
{
    if (!s->count)
        return null_result(ret);
    *ret = value_real(s->r / (double)s->count);
    return NULL;
}

static const struct agg float8_sum_agg = {zero_init, float8_sum_step, float8_sum_merge,
                                          float_sum_final, NULL};
static const struct agg float4_sum_agg = {zero_init, float4_sum_step, float4_sum_merge,
                                          float_sum_final, NULL};
static const struct agg float_avg_agg = {zero_init, float8_sum_step, float8_sum_merge,
                                         float_avg_final, NULL};

/* Variance after Youngs and Cramer, as PostgreSQL: r3[0] = sum(x), r3[1] = sum of squared
 * differences from the mean, NaN when any x is not finite. */
STEP(variance_step)
{
    double x = v->r, n1 = (double)++s->count;
    double sum = s->r3[0] + x;
    if (n1 > 1) {
        double d = x * n1 - sum;
        s->r3[1] += d * d / (n1 * (n1 - 1));
        if (isinf(sum) || isinf(s->r3[1])) {
            if (!isinf(s->r3[0]) && !isinf(x))
                return types__float_overflow();
            s->r3[1] = NAN;
        }
    } else if (!isfinite(x)) {
        s->r3[1] = NAN;
    }
    s->r3[0] = sum;
    return NULL;
}

MERGE(variance_merge)
{
    if (from->count == 0)
        return NULL;
    if (s->count == 0) {
        *s = *from;
        return NULL;
    }
    double n1 = (double)s->count, n2 = (double)from->count;
    double d = s->r3[0] / n1 - from->r3[0] / n2;
    bool inf_in = isinf(s->r3[0]) || isinf(from->r3[0]);
    s->r3[1] += from->r3[1] + n1 * n2 * d * d / (n1 + n2);
    s->r3[0] += from->r3[0];
    s->count += from->count;
    bool infinite = isinf(s->r3[0]) || isinf(s->r3[1]);
    return infinite && !inf_in ? types__float_overflow() : NULL;
}

static struct error *variance_final(const struct agg_state *s, uint64_t less, bool root,
                                    struct value *ret)
{
    if (s->count <= less)
        return null_result(ret);
    double variance = s->r3[1] / (double)(s->count - less);
    *ret = value_real(root ? sqrt(variance) : variance);
    return NULL;
}

FINAL(var_pop_final)
{
    return variance_final(s, 0, false, ret);
}

FINAL(var_samp_final)
{
    return variance_final(s, 1, false, ret);
}

FINAL(stddev_pop_final)
{
    return variance_final(s, 0, true, ret);
}

FINAL(stddev_samp_final)
{
    return variance_final(s, 1, true, ret);
}

static const struct agg var_pop_agg = {zero_init, variance_step, variance_merge, var_pop_final,
                                       NULL};
static const struct agg var_samp_agg = {zero_init, variance_step, variance_merge, var_samp_final,
                                        NULL};
static const struct agg stddev_pop_agg = {zero_init, variance_step, variance_merge,
                                          stddev_pop_final, NULL};
static const struct agg stddev_samp_agg = {zero_init, variance_step, variance_merge,
                                           stddev_samp_final, NULL};

/* ---- min, max ---- */

#define BY_VALUE(x, y) (((x) > (y)) - ((x) < (y)))
#define DEFINE_MIN_MAX(name, field, VALUE, order, op)                                              \
    STEP(name##_step)                                                                              \
    {                                                                                              \
        if (!s->count || order(v->field, s->field) op 0)                                           \
            s->field = v->field;                                                                   \
        s->count++;                                                                                \
        return NULL;                                                                               \
    }                                                                                              \
    MERGE(name##_merge)                                                                            \
    {                                                                                              \
        struct value other = VALUE(from->field);                                                   \
        uint64_t count = s->count + from->count;                                                   \
        if (from->count)                                                                           \
            name##_step(s, &other, 1);                                                             \
        s->count = count;                                                                          \
        return NULL;                                                                               \
    }                                                                                              \
    FINAL(name##_final)                                                                            \
    {                                                                                              \
        if (!s->count)                                                                             \
            return null_result(ret);                                                               \
        *ret = VALUE(s->field);                                                                    \
        return NULL;                                                                               \
    }                                                                                              \
    static const struct agg name##_agg = {zero_init, name##_step, name##_merge, name##_final, NULL};

DEFINE_MIN_MAX(int_min, i, value_int, BY_VALUE, <)
DEFINE_MIN_MAX(int_max, i, value_int, BY_VALUE, >)
DEFINE_MIN_MAX(float_min, r, value_real, types__real_compare, <)
DEFINE_MIN_MAX(float_max, r, value_real, types__real_compare, >)

static void text_done(struct agg_state *s)
{
    mem_free(s->s.p);
    s->s.p = NULL;
}

static void keep_text(struct agg_state *s, const struct value *v)
{
    mem_free(s->s.p);
    s->s.p = mem_strndup(v->s.p, v->s.n);
    s->s.n = v->s.n;
}

static int compare_text(const struct agg_state *s, const struct value *v)
{
    int order = memcmp(v->s.p, s->s.p, MIN(v->s.n, s->s.n));
    return order ? order : (v->s.n > s->s.n) - (v->s.n < s->s.n);
}

static int compare_numeric(const struct agg_state *s, const struct value *v)
{
    struct value kept = value_text(s->s.p, s->s.n);
    return types__numeric_compare(v, &kept);
}

static int compare_bpchar(const struct agg_state *s, const struct value *v)
{
    struct value kept = value_text(s->s.p, s->s.n);
    return types__bpchar_compare(v, &kept);
}

#define DEFINE_TEXT_MIN_MAX(name, compare, op)                                                     \
    STEP(name##_step)                                                                              \
    {                                                                                              \
        if (!s->count || compare(s, v) op 0)                                                       \
            keep_text(s, v);                                                                       \
        s->count++;                                                                                \
        return NULL;                                                                               \
    }                                                                                              \
    MERGE(name##_merge)                                                                            \
    {                                                                                              \
        struct value other = value_text(from->s.p, from->s.n);                                     \
        uint64_t count = s->count + from->count;                                                   \
        if (from->count)                                                                           \
            name##_step(s, &other, 1);                                                             \
        s->count = count;                                                                          \
        return NULL;                                                                               \
    }                                                                                              \
    static const struct agg name##_agg = {zero_init, name##_step, name##_merge, text_final,        \
                                          text_done};

FINAL(text_final)
{
    if (!s->count)
        return null_result(ret);
    *ret = value_text(arena_strndup(a, s->s.p, s->s.n), s->s.n);
    return NULL;
}

DEFINE_TEXT_MIN_MAX(text_min, compare_text, <)
DEFINE_TEXT_MIN_MAX(text_max, compare_text, >)
DEFINE_TEXT_MIN_MAX(numeric_min, compare_numeric, <)
DEFINE_TEXT_MIN_MAX(numeric_max, compare_numeric, >)
DEFINE_TEXT_MIN_MAX(bpchar_min, compare_bpchar, <)
DEFINE_TEXT_MIN_MAX(bpchar_max, compare_bpchar, >)

/* ---- bool ---- */

static void true_init(struct agg_state *s)
{
    *s = (struct agg_state){.i = 1};
}

STEP(bool_and_step)
{
    s->count++;
    s->i &= v->i;
    return NULL;
}

MERGE(bool_and_merge)
{
    s->count += from->count;
    s->i &= from->i;
    return NULL;
}

STEP(bool_or_step)
{
    s->count++;
    s->i |= v->i;
    return NULL;
}

MERGE(bool_or_merge)
{
    s->count += from->count;
    s->i |= from->i;
    return NULL;
}

static const struct agg bool_and_agg = {true_init, bool_and_step, bool_and_merge, int_sum_final,
                                        NULL};
static const struct agg bool_or_agg = {zero_init, bool_or_step, bool_or_merge, int_sum_final, NULL};

/* ---- string_agg: delimiter and value of each row; the first delimiter is left out at the end ---
 */

static void append_text(struct agg_state *s, const char *p, size_t n)
{
    size_t room = s->s.n ? 64 : 0; /* the capacity follows from the length: a power of two */
    while (room && room < s->s.n)
        room *= 2;
    size_t want = MAX(room, (size_t)64);
    while (want < s->s.n + n)
        want *= 2;
    if (want != room || !s->s.p)
        s->s.p = mem_realloc(s->s.p, want);
    if (n)
        memcpy(s->s.p + s->s.n, p, n);
    s->s.n += n;
}

STEP(string_agg_step)
{
    if (v[0].kind == VALUE_NULL)
        return NULL;
    size_t delimiter = v[1].kind == VALUE_NULL ? 0 : v[1].s.n;
    if (s->s.n + delimiter + v[0].s.n > TEXT_MAX_BYTES)
        return error_new("54000", "the result of string_agg is longer than %d bytes",
                         TEXT_MAX_BYTES);
    if (s->count++ == 0)
        s->s.first = delimiter;
    append_text(s, delimiter ? v[1].s.p : "", delimiter);
    append_text(s, v[0].s.p, v[0].s.n);
    return NULL;
}

MERGE(string_agg_merge)
{
    if (!from->count)
        return NULL;
    if (s->s.n + from->s.n > TEXT_MAX_BYTES)
        return error_new("54000", "the result of string_agg is longer than %d bytes",
                         TEXT_MAX_BYTES);
    if (!s->count)
        s->s.first = from->s.first;
    append_text(s, from->s.p, from->s.n);
    s->count += from->count;
    return NULL;
}

FINAL(string_agg_final)
{
    if (!s->count)
        return null_result(ret);
    size_t n = s->s.n - s->s.first;
    *ret = value_text(arena_strndup(a, s->s.p + s->s.first, n), n);
    return NULL;
}

static const struct agg string_agg_agg = {zero_init, string_agg_step, string_agg_merge,
                                          string_agg_final, text_done};

/* ---- rows ---- */

#define AGG(n, type, r, sql, ag)                                                                   \
    {                                                                                              \
        .name = n, .kind = FUNC_AGGREGATE, .nargs = 1, .args = {type}, .result = r,                \
        .strict = true, .sqlite_name = sql, .over_emit = sql "_over($1)", .agg = &ag               \
    }
#define AGG_EMIT(n, type, r, e, ag)                                                                \
    {                                                                                              \
        .name = n, .kind = FUNC_AGGREGATE, .nargs = 1, .args = {type}, .result = r,                \
        .strict = true, .emit = e, .agg = &ag                                                      \
    }
#define MIN_MAX(type, of)                                                                          \
    AGG_EMIT("min", type, type, "min($1)", of##_min_agg),                                          \
        AGG_EMIT("max", type, type, "max($1)", of##_max_agg)
#define FLOAT_VARIANCE(type)                                                                       \
    AGG("variance", type, OID_FLOAT8, "float_var_samp", var_samp_agg),                             \
        AGG("var_samp", type, OID_FLOAT8, "float_var_samp", var_samp_agg),                         \
        AGG("var_pop", type, OID_FLOAT8, "float_var_pop", var_pop_agg),                            \
        AGG("stddev", type, OID_FLOAT8, "float_stddev_samp", stddev_samp_agg),                     \
        AGG("stddev_samp", type, OID_FLOAT8, "float_stddev_samp", stddev_samp_agg),                \
        AGG("stddev_pop", type, OID_FLOAT8, "float_stddev_pop", stddev_pop_agg)

static const struct func rows[] = {
    {.name = "count",
     .kind = FUNC_AGGREGATE,
     .nargs = 0,
     .result = OID_INT8,
     .emit = "count(*)",
     .agg = &count_agg},
    AGG_EMIT("count", OID_ANY, OID_INT8, "count($1)", count_agg),
    AGG_EMIT("sum", OID_INT2, OID_INT8, "sum($1)", int_sum_agg),
    AGG_EMIT("sum", OID_INT4, OID_INT8, "sum($1)", int_sum_agg),
    AGG("sum", OID_INT8, OID_NUMERIC, "int8_sum", int8_sum_agg),
    AGG("sum", OID_FLOAT4, OID_FLOAT4, "float4_sum", float4_sum_agg),
    AGG("sum", OID_FLOAT8, OID_FLOAT8, "float8_sum", float8_sum_agg),
    AGG("avg", OID_INT2, OID_NUMERIC, "int_avg", int_avg_agg),
    AGG("avg", OID_INT4, OID_NUMERIC, "int_avg", int_avg_agg),
    AGG("avg", OID_INT8, OID_NUMERIC, "int8_avg", int8_avg_agg),
    AGG("avg", OID_FLOAT4, OID_FLOAT8, "float_avg", float_avg_agg),
    AGG("avg", OID_FLOAT8, OID_FLOAT8, "float_avg", float_avg_agg),
    MIN_MAX(OID_INT2, int),
    MIN_MAX(OID_INT4, int),
    MIN_MAX(OID_INT8, int),
    MIN_MAX(OID_OID, int),
    MIN_MAX(OID_TID, int),
    MIN_MAX(OID_DATE, int),
    MIN_MAX(OID_TIME, int),
    MIN_MAX(OID_MONEY, int),
    MIN_MAX(OID_TIMETZ, int),
    MIN_MAX(OID_TIMESTAMP, int),
    MIN_MAX(OID_TIMESTAMPTZ, int),
    MIN_MAX(OID_FLOAT4, float),
    MIN_MAX(OID_FLOAT8, float),
    MIN_MAX(OID_TEXT, text),
    AGG_EMIT("min", OID_BPCHAR, OID_BPCHAR, "min($1 COLLATE RTRIM)", bpchar_min_agg),
    AGG_EMIT("max", OID_BPCHAR, OID_BPCHAR, "max($1 COLLATE RTRIM)", bpchar_max_agg),
    MIN_MAX(OID_ANYENUM, int),
    AGG_EMIT("min", OID_NUMERIC, OID_NUMERIC, "min($1 COLLATE minisql_numeric)", numeric_min_agg),
    AGG_EMIT("max", OID_NUMERIC, OID_NUMERIC, "max($1 COLLATE minisql_numeric)", numeric_max_agg),
    {.name = "min",
     .kind = FUNC_AGGREGATE,
     .nargs = 1,
     .args = {OID_ANYARRAY},
     .result = OID_ANYARRAY,
     .strict = true,
     .emit = "min($1$C)"},
    {.name = "max",
     .kind = FUNC_AGGREGATE,
     .nargs = 1,
     .args = {OID_ANYARRAY},
     .result = OID_ANYARRAY,
     .strict = true,
     .emit = "max($1$C)"},
    AGG_EMIT("bool_and", OID_BOOL, OID_BOOL, "min($1)", bool_and_agg),
    AGG_EMIT("every", OID_BOOL, OID_BOOL, "min($1)", bool_and_agg),
    AGG_EMIT("bool_or", OID_BOOL, OID_BOOL, "max($1)", bool_or_agg),
    {.name = "string_agg",
     .kind = FUNC_AGGREGATE,
     .nargs = 2,
     .args = {OID_TEXT, OID_TEXT},
     .result = OID_TEXT,
     .sqlite_name = "string_agg",
     .over_emit = "string_agg_over($1, $2)",
     .agg = &string_agg_agg},
    FLOAT_VARIANCE(OID_FLOAT4),
    FLOAT_VARIANCE(OID_FLOAT8),
};

const struct func_rows types__agg_funcs = {rows, ARRAY_LEN(rows)};
