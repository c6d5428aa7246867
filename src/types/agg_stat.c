/*
 * Statistics over pairs (corr, covar_*, regr_*), after Youngs and Cramer as PostgreSQL computes
 * them, and bit_and, bit_or, bit_xor. The pairs are (y, x).
 */
#include "types/types_int.h"

#include <math.h>

/* ---- pairs
 * ---------------------------------------------------------------------------------------- */

/* Lies in s->s.p, so that the states of all other aggregates stay small. */
struct sums {
    double n, x, xx, y, yy, xy;
};

static void init(struct agg_state *s)
{
    *s = (struct agg_state){0};
}

static struct sums *sums_of(const struct agg_state *s)
{
    return (struct sums *)(void *)s->s.p;
}

/* A sum of squares is NaN when any input is not finite. */
static void no_infinity(double *sum)
{
    if (isinf(*sum))
        *sum = NAN;
}

static bool overflows(const struct sums *before, const struct sums *now, double x, double y)
{
    bool of_x = (isinf(now->x) || isinf(now->xx)) && !isinf(before->x) && !isinf(x);
    bool of_y = (isinf(now->y) || isinf(now->yy)) && !isinf(before->y) && !isinf(y);
    bool of_xy = isinf(now->xy) && !isinf(before->x) && !isinf(x) && !isinf(before->y) && !isinf(y);
    return of_x || of_y || of_xy;
}

static struct error *pair_step(struct agg_state *s, const struct value *v, int n)
{
    if (!s->s.p)
        s->s.p = (char *)NEW(struct sums);
    struct sums *sums = sums_of(s), before = *sums;
    double y = v[0].r, x = v[1].r;
    s->count++;
    sums->n++;
    sums->x += x;
    sums->y += y;
    if (before.n > 0) {
        double dx = x * sums->n - sums->x, dy = y * sums->n - sums->y;
        double scale = 1.0 / (sums->n * before.n);
        sums->xx += dx * dx * scale;
        sums->yy += dy * dy * scale;
        sums->xy += dx * dy * scale;
        if (overflows(&before, sums, x, y))
            return types__float_overflow();
        no_infinity(&sums->xx);
        no_infinity(&sums->yy);
        no_infinity(&sums->xy);
        return NULL;
    }
    if (!isfinite(x))
        sums->xx = sums->xy = NAN;
    if (!isfinite(y))
        sums->yy = sums->xy = NAN;
    return NULL;
}

static struct error *pair_merge(struct agg_state *into, const struct agg_state *from)
{
    if (!from->s.p)
        return NULL;
    if (!into->s.p) {
        into->s.p = (char *)NEW(struct sums);
        *sums_of(into) = *sums_of(from);
        into->count = from->count;
        return NULL;
    }
    struct sums *a = sums_of(into), *b = sums_of(from);
    double n = a->n + b->n, dx = a->x / a->n - b->x / b->n, dy = a->y / a->n - b->y / b->n;
    a->xx += b->xx + a->n * b->n * dx * dx / n;
    a->yy += b->yy + a->n * b->n * dy * dy / n;
    a->xy += b->xy + a->n * b->n * dx * dy / n;
    a->x += b->x;
    a->y += b->y;
    a->n = n;
    into->count += from->count;
    return NULL;
}

static void pair_done(struct agg_state *s)
{
    mem_free(s->s.p);
    init(s);
}

static struct error *count_step(struct agg_state *s, const struct value *v, int n)
{
    s->count++;
    return NULL;
}

static struct error *count_merge(struct agg_state *into, const struct agg_state *from)
{
    into->count += from->count;
    return NULL;
}

static struct error *count_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    *ret = value_int((int64_t)s->count);
    return NULL;
}

/* `expr` over k, where `condition` holds; else NULL */
#define DEFINE_FINAL(name, condition, expr)                                                        \
    static struct error *name##_final(struct agg_state *s, struct arena *a, struct value *ret)     \
    {                                                                                              \
        const struct sums *k = sums_of(s);                                                         \
        *ret = (struct value){.kind = VALUE_NULL};                                                 \
        if (k && (condition))                                                                      \
            *ret = value_real(expr);                                                               \
        return NULL;                                                                               \
    }                                                                                              \
    static const struct agg name##_agg = {init, pair_step, pair_merge, name##_final, pair_done};

DEFINE_FINAL(regr_sxx, true, k->xx)
DEFINE_FINAL(regr_syy, true, k->yy)
DEFINE_FINAL(regr_sxy, true, k->xy)
DEFINE_FINAL(regr_avgx, true, k->x / k->n)
DEFINE_FINAL(regr_avgy, true, k->y / k->n)
DEFINE_FINAL(covar_pop, true, k->xy / k->n)
DEFINE_FINAL(covar_samp, k->n >= 2, k->xy / (k->n - 1))
DEFINE_FINAL(corr, k->xx != 0 && k->yy != 0, k->xy / sqrt(k->xx * k->yy))
DEFINE_FINAL(regr_r2, k->xx != 0, k->yy == 0 ? 1.0 : k->xy * k->xy / (k->xx * k->yy))
DEFINE_FINAL(regr_slope, k->xx != 0, k->xy / k->xx)
DEFINE_FINAL(regr_intercept, k->xx != 0, (k->y - k->x * k->xy / k->xx) / k->n)
static const struct agg regr_count_agg = {init, count_step, count_merge, count_final, pair_done};

/* ---- bits
 * ----------------------------------------------------------------------------------------- */

static struct error *bit_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    *ret = s->count ? value_int(s->i) : (struct value){.kind = VALUE_NULL};
    return NULL;
}

#define DEFINE_BITS(name, op)                                                                      \
    static struct error *name##_step(struct agg_state *s, const struct value *v, int n)            \
    {                                                                                              \
        s->i = s->count++ ? s->i op v->i : v->i;                                                   \
        return NULL;                                                                               \
    }                                                                                              \
    static struct error *name##_merge(struct agg_state *s, const struct agg_state *from)           \
    {                                                                                              \
        if (from->count)                                                                           \
            s->i = s->count ? s->i op from->i : from->i;                                           \
        s->count += from->count;                                                                   \
        return NULL;                                                                               \
    }                                                                                              \
    static const struct agg name##_agg = {init, name##_step, name##_merge, bit_final, NULL};

DEFINE_BITS(bit_and, &)
DEFINE_BITS(bit_or, |)
DEFINE_BITS(bit_xor, ^)

/* ---- string_agg of bytea: the delimiter goes before each value but the first
 * -------------------------- */

static struct error *bytes_add(struct agg_state *s, const struct value *v)
{
    if (v->kind == VALUE_NULL)
        return NULL;
    if (s->s.n + v->s.n > TEXT_MAX_BYTES)
        return error_new("54000", "a value is larger than %d bytes", TEXT_MAX_BYTES);
    if (s->s.n + v->s.n > s->s.first) { /* here: the room */
        s->s.first = MAX(2 * s->s.first, s->s.n + v->s.n + 64);
        s->s.p = mem_realloc(s->s.p, s->s.first);
    }
    if (v->s.n)
        memcpy(s->s.p + s->s.n, v->s.p, v->s.n);
    s->s.n += v->s.n;
    return NULL;
}

static struct error *bytes_step(struct agg_state *s, const struct value *v, int n)
{
    if (v[0].kind == VALUE_NULL)
        return NULL;
    if (s->count++)
        TRY(bytes_add(s, &v[1]));
    return bytes_add(s, &v[0]);
}

static struct error *bytes_merge(struct agg_state *into, const struct agg_state *from)
{
    return error_new(E_INTERNAL, "string_agg of bytea is not computed in parts");
}

static struct error *bytes_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    *ret = (struct value){.kind = VALUE_NULL};
    if (s->count)
        *ret = (struct value){.kind = VALUE_BLOB,
                              .s = {arena_strndup(a, s->s.p ? s->s.p : "", s->s.n), s->s.n}};
    return NULL;
}

static const struct agg bytes_agg = {init, bytes_step, bytes_merge, bytes_final, pair_done};

/* ---- rows
 * ----------------------------------------------------------------------------------------- */

#define F8 OID_FLOAT8
#define PAIR(n, r)                                                                                 \
    {                                                                                              \
        .name = #n, .kind = FUNC_AGGREGATE, .nargs = 2, .args = {F8, F8}, .result = r,             \
        .strict = true, .sqlite_name = #n, .over_emit = #n "_over($1, $2)", .agg = &n##_agg        \
    }
#define BITS(n, type)                                                                              \
    {                                                                                              \
        .name = #n, .kind = FUNC_AGGREGATE, .nargs = 1, .args = {type}, .result = type,            \
        .strict = true, .sqlite_name = "minisql_" #n, .over_emit = "minisql_" #n "_over($1)",      \
        .agg = &n##_agg                                                                            \
    }

static const struct func rows[] = {
    PAIR(regr_count, OID_INT8),
    PAIR(regr_sxx, F8),
    PAIR(regr_syy, F8),
    PAIR(regr_sxy, F8),
    PAIR(regr_avgx, F8),
    PAIR(regr_avgy, F8),
    PAIR(regr_r2, F8),
    PAIR(regr_slope, F8),
    PAIR(regr_intercept, F8),
    PAIR(covar_pop, F8),
    PAIR(covar_samp, F8),
    PAIR(corr, F8),
    BITS(bit_and, OID_INT2),
    BITS(bit_and, OID_INT4),
    BITS(bit_and, OID_INT8),
    BITS(bit_or, OID_INT2),
    BITS(bit_or, OID_INT4),
    BITS(bit_or, OID_INT8),
    BITS(bit_xor, OID_INT2),
    BITS(bit_xor, OID_INT4),
    BITS(bit_xor, OID_INT8),
    {.name = "string_agg",
     .kind = FUNC_AGGREGATE,
     .nargs = 2,
     .args = {OID_BYTEA, OID_BYTEA},
     .result = OID_BYTEA,
     .sqlite_name = "string_agg_bytea",
     .over_emit = "string_agg_bytea_over($1, $2)",
     .agg = &bytes_agg},
};

const struct func_rows types__stat_aggs = {rows, ARRAY_LEN(rows)};
