/*
 * Aggregates whose state is a numeric: sum and avg of numeric, and variance over ints and numeric,
 * which PostgreSQL computes exactly. The state's owned memory holds one struct sums.
 */
#include "types/numeric.h"

struct sums {
    struct num sum, squares; /* squares stays 0 where only the sum is wanted */
};

static void init(struct agg_state *s)
{
    *s = (struct agg_state){0};
}

static struct sums *sums_of(struct agg_state *s)
{
    if (!s->s.p)
        s->s.p = mem_zalloc(sizeof(struct sums));
    return (struct sums *)(void *)s->s.p;
}

static void done(struct agg_state *s)
{
    if (s->s.p) {
        num_done(&sums_of(s)->sum);
        num_done(&sums_of(s)->squares);
    }
    mem_free(s->s.p);
    s->s.p = NULL;
}

static void add_with_square(struct agg_state *s, struct num *x)
{
    struct num square;
    num_copy(x, &square);
    num_mul(&square, x);
    num_add(&sums_of(s)->sum, x);
    num_add(&sums_of(s)->squares, &square);
    num_done(&square);
    s->count++;
}

static struct error *sum_step(struct agg_state *s, const struct value *v, int n)
{
    struct num x;
    TRY(num_read(v->s.p, v->s.n, &x));
    num_add(&sums_of(s)->sum, &x);
    num_done(&x);
    s->count++;
    return NULL;
}

static struct error *squares_step(struct agg_state *s, const struct value *v, int n)
{
    struct num x;
    if (v->kind == VALUE_INT)
        num_of_int(v->i, &x);
    else
        TRY(num_read(v->s.p, v->s.n, &x));
    add_with_square(s, &x);
    num_done(&x);
    return NULL;
}

static struct error *merge(struct agg_state *into, const struct agg_state *from)
{
    if (!from->count)
        return NULL;
    const struct sums *other = (const struct sums *)(const void *)from->s.p;
    num_add(&sums_of(into)->sum, &other->sum);
    num_add(&sums_of(into)->squares, &other->squares);
    into->count += from->count;
    return NULL;
}

static struct error *null_result(struct value *ret)
{
    *ret = (struct value){.kind = VALUE_NULL};
    return NULL;
}

static struct error *sum_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    if (!s->count)
        return null_result(ret);
    struct num sum;
    num_copy(&sums_of(s)->sum, &sum);
    return num_finish(&sum, a, ret);
}

static struct error *avg_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    if (!s->count)
        return null_result(ret);
    struct num sum, count;
    num_copy(&sums_of(s)->sum, &sum);
    num_of_int((__int128)s->count, &count);
    num_div(&sum, &count, num_div_scale(&sum, &count), true);
    return num_finish(&sum, a, ret);
}

/* (n * sum(x^2) - sum(x)^2) / (n * (n - less)), PostgreSQL's own formula and scale */
static struct error *variance(struct agg_state *s, uint64_t less, bool root, struct arena *a,
                              struct value *ret)
{
    if (s->count <= less)
        return null_result(ret);
    struct num n, divisor, x, square;
    num_of_int((__int128)s->count, &n);
    num_of_int((__int128)s->count * (__int128)(s->count - less), &divisor);
    num_copy(&sums_of(s)->squares, &x);
    num_mul(&x, &n);
    num_copy(&sums_of(s)->sum, &square);
    num_mul(&square, &sums_of(s)->sum);
    num_sub(&x, &square);
    num_done(&square);
    if (x.kind)
        return num_finish(&x, a, ret);
    if (num_sign(&x) <= 0) {
        num_done(&x);
        *ret = value_text("0", 1);
        return NULL;
    }
    int scale = num_div_scale(&x, &divisor);
    num_div(&x, &divisor, scale, true);
    if (root)
        num_sqrt(&x, scale);
    return num_finish(&x, a, ret);
}

static struct error *var_pop_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    return variance(s, 0, false, a, ret);
}

static struct error *var_samp_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    return variance(s, 1, false, a, ret);
}

static struct error *stddev_pop_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    return variance(s, 0, true, a, ret);
}

static struct error *stddev_samp_final(struct agg_state *s, struct arena *a, struct value *ret)
{
    return variance(s, 1, true, a, ret);
}

static const struct agg sum_agg = {init, sum_step, merge, sum_final, done};
static const struct agg avg_agg = {init, sum_step, merge, avg_final, done};
static const struct agg var_pop_agg = {init, squares_step, merge, var_pop_final, done};
static const struct agg var_samp_agg = {init, squares_step, merge, var_samp_final, done};
static const struct agg stddev_pop_agg = {init, squares_step, merge, stddev_pop_final, done};
static const struct agg stddev_samp_agg = {init, squares_step, merge, stddev_samp_final, done};

#define AGG(n, type, sql, ag)                                                                      \
    {                                                                                              \
        .name = n, .kind = FUNC_AGGREGATE, .nargs = 1, .args = {type}, .result = OID_NUMERIC,      \
        .strict = true, .sqlite_name = sql, .over_emit = sql "_over($1)", .agg = &ag               \
    }
#define VARIANCE(type, of)                                                                         \
    AGG("variance", type, of "_var_samp", var_samp_agg),                                           \
        AGG("var_samp", type, of "_var_samp", var_samp_agg),                                       \
        AGG("var_pop", type, of "_var_pop", var_pop_agg),                                          \
        AGG("stddev", type, of "_stddev_samp", stddev_samp_agg),                                   \
        AGG("stddev_samp", type, of "_stddev_samp", stddev_samp_agg),                              \
        AGG("stddev_pop", type, of "_stddev_pop", stddev_pop_agg)

static const struct func rows[] = {
    AGG("sum", OID_NUMERIC, "numeric_sum", sum_agg),
    AGG("avg", OID_NUMERIC, "numeric_avg", avg_agg),
    VARIANCE(OID_INT2, "int"),
    VARIANCE(OID_INT4, "int"),
    VARIANCE(OID_INT8, "int"),
    VARIANCE(OID_NUMERIC, "numeric"),
};

const struct func_rows types__numeric_aggs = {rows, ARRAY_LEN(rows)};
