/*
 * Aggregates about an order: percentile_cont, percentile_disc, mode WITHIN GROUP (ORDER BY x), and
 * rank and its kin of a row that is not there (hypothetical-set aggregates). sorted.c has sorted
 * the rows.
 */
#include "types/interval.h"
#include "types/ordered.h"

#include <math.h>

#define ORDERED(name)                                                                              \
    static struct error *name(const struct ordered_rows *r, struct arena *a, struct value *ret)

static const struct value *row_of(const struct ordered_rows *r, size_t i)
{
    return r->rows + i * (size_t)(r->n_args + r->n_keys);
}

/* What row i is sorted by */
static const struct value *key_of(const struct ordered_rows *r, size_t i)
{
    return row_of(r, i) + r->n_args;
}

/* ---- percentiles: of the values that are not NULL ----------------------------------------------
 */

struct values {
    const struct ordered_rows *r;
    size_t first, n;
};

/* NULLs are at one of the ends. */
static struct values values_of(const struct ordered_rows *r)
{
    struct values v = {.r = r, .n = r->n};
    while (v.n && key_of(r, v.first)->kind == VALUE_NULL)
        v.first++, v.n--;
    while (v.n && key_of(r, v.first + v.n - 1)->kind == VALUE_NULL)
        v.n--;
    return v;
}

static const struct value *value_at(const struct values *v, double i)
{
    double last = (double)v->n - 1;
    return key_of(v->r, v->first + (size_t)(i < 0 ? 0 : i > last ? last : i));
}

static struct error *between(const struct value *low, const struct value *high, double part,
                             struct arena *a, struct value *ret)
{
    if (low->kind == VALUE_REAL) {
        *ret = value_real(low->r + (high->r - low->r) * part);
        return NULL;
    }
    struct interval x, y, step;
    TRY(interval_of(low, &x));
    TRY(interval_of(high, &y));
    struct interval minus;
    TRY(interval_negate(&x, &minus));
    TRY(interval_add(&y, &minus, &step));
    TRY(interval_multiply(&step, part, &step));
    TRY(interval_add(&x, &step, &x));
    *ret = interval_value(&x, a);
    return NULL;
}

typedef struct error *percentile(const struct values *v, double fraction, struct arena *a,
                                 struct value *ret);

static struct error *continuous(const struct values *v, double fraction, struct arena *a,
                                struct value *ret)
{
    double at = fraction * ((double)v->n - 1), low = floor(at), high = ceil(at);
    if (low == high) {
        *ret = *value_at(v, low);
        return NULL;
    }
    return between(value_at(v, low), value_at(v, high), at - low, a, ret);
}

static struct error *discrete(const struct values *v, double fraction, struct arena *a,
                              struct value *ret)
{
    *ret = *value_at(v, ceil(fraction * (double)v->n) - 1);
    return NULL;
}

static struct error *check_fraction(const struct value *fraction)
{
    if (fraction->kind != VALUE_REAL || (fraction->r >= 0 && fraction->r <= 1))
        return NULL;
    return isinf(fraction->r)
               ? error_new(E_OUT_OF_RANGE, "percentile value %sInfinity is not between 0 and 1",
                           fraction->r < 0 ? "-" : "")
           : isnan(fraction->r)
               ? error_new(E_OUT_OF_RANGE, "percentile value NaN is not between 0 and 1")
               : error_new(E_OUT_OF_RANGE, "percentile value %g is not between 0 and 1",
                           fraction->r);
}

static struct error *one_percentile(const struct values *v, const struct value *fraction,
                                    percentile *fn, struct arena *a, struct value *ret)
{
    *ret = (struct value){.kind = VALUE_NULL};
    TRY(check_fraction(fraction));
    return v->n && fraction->kind == VALUE_REAL ? fn(v, fraction->r, a, ret) : NULL;
}

/* What a percentile of no rows at all is: they would have brought the fraction. */
static CALL(percentile_of_none)
{
    *ret = (struct value){.kind = VALUE_NULL};
    return check_fraction(&v[0]);
}

static struct error *percentile_of(const struct ordered_rows *r, percentile *fn, struct arena *a,
                                   struct value *ret)
{
    struct values v = values_of(r);
    return r->n ? one_percentile(&v, row_of(r, 0), fn, a, ret) : NULL;
}

/* An array of fractions gives one of results, of the same shape. */
static struct error *percentiles_of(const struct ordered_rows *r, percentile *fn, struct arena *a,
                                    struct value *ret)
{
    struct values v = values_of(r);
    struct array fractions;
    if (!v.n || row_of(r, 0)->kind == VALUE_NULL)
        return NULL;
    TRY(types__array_read(type_by_oid(OID_FLOAT8), row_of(r, 0), a, &fractions));
    for (size_t i = 0; i < fractions.n; i++) {
        struct value fraction = fractions.items[i];
        TRY(one_percentile(&v, &fraction, fn, a, &fractions.items[i]));
    }
    *ret = types__array_write(r->keys[0].type, &fractions, a);
    return NULL;
}

ORDERED(percentile_cont)
{
    return percentile_of(r, continuous, a, ret);
}

ORDERED(percentile_cont_array)
{
    return percentiles_of(r, continuous, a, ret);
}

ORDERED(percentile_disc)
{
    return percentile_of(r, discrete, a, ret);
}

ORDERED(percentile_disc_array)
{
    return percentiles_of(r, discrete, a, ret);
}

/* The most frequent value, the first one of several; equal ones may look different (1 mon, 30
 * days), and then the first of them, too. */
ORDERED(mode)
{
    struct values v = values_of(r);
    size_t most = 0, count = 0;
    const struct value *first = NULL;
    for (size_t i = 0; i < v.n; i++) {
        const struct value *key = key_of(r, v.first + i);
        bool same = i && types__ordered_compare(r, key, key_of(r, v.first + i - 1)) == 0;
        count = same ? count + 1 : 1;
        first = same ? first : key;
        if (count > most) {
            most = count;
            *ret = *first;
        }
    }
    return NULL;
}

/* ---- a hypothetical row: the direct arguments
 * ------------------------------------------------------ */

/* How many rows come before it; with those that are equal. */
static size_t count_before(const struct ordered_rows *r, bool equal_too)
{
    size_t low = 0, high = r->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = types__ordered_compare(r, key_of(r, middle), row_of(r, 0));
        if (order < 0 || (equal_too && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

ORDERED(rank)
{
    *ret = value_int((int64_t)count_before(r, false) + 1);
    return NULL;
}

ORDERED(dense_rank)
{
    size_t n = count_before(r, false), groups = n > 0;
    for (size_t i = 1; i < n; i++)
        groups += types__ordered_compare(r, key_of(r, i - 1), key_of(r, i)) != 0;
    *ret = value_int((int64_t)groups + 1);
    return NULL;
}

ORDERED(percent_rank)
{
    *ret = value_real(r->n ? (double)count_before(r, false) / (double)r->n : 0);
    return NULL;
}

ORDERED(cume_dist)
{
    *ret = value_real(((double)count_before(r, true) + 1) / ((double)r->n + 1));
    return NULL;
}

#define PERCENTILE(n, type)                                                                        \
    {                                                                                              \
        .name = #n, .kind = FUNC_ORDERED, .nargs = 2, .args = {OID_FLOAT8, type}, .result = type,  \
        .direct = 1, .sqlite_name = #n, .of_none = "minisql_percentile_of_none", .ordered = n      \
    }
#define PERCENTILES(n, type, result_)                                                              \
    {                                                                                              \
        .name = #n, .kind = FUNC_ORDERED, .nargs = 2, .args = {OID_FLOAT8_ARRAY, type},            \
        .result = result_, .direct = 1, .sqlite_name = #n "_array", .ordered = n##_array           \
    }
#define HYPOTHETICAL(fn, result_)                                                                  \
    {                                                                                              \
        .name = #fn, .kind = FUNC_ORDERED, .nargs = 1, .args = {OID_ANY}, .result = result_,       \
        .direct = 1, .variadic = true, .sqlite_name = #fn, .ordered = fn                           \
    }

static const struct func rows[] = {
    PERCENTILE(percentile_cont, OID_FLOAT8),
    PERCENTILE(percentile_cont, OID_INTERVAL),
    PERCENTILES(percentile_cont, OID_FLOAT8, OID_FLOAT8_ARRAY),
    PERCENTILES(percentile_cont, OID_INTERVAL, OID_INTERVAL_ARRAY),
    PERCENTILE(percentile_disc, OID_ANYELEMENT),
    PERCENTILES(percentile_disc, OID_ANYELEMENT, OID_ANYARRAY),
    {.name = "minisql_percentile_of_none",
     .kind = FUNC_SCALAR,
     .nargs = 1,
     .args = {OID_FLOAT8},
     .result = OID_FLOAT8,
     .guard = true,
     .sqlite_name = "minisql_percentile_of_none",
     .call = percentile_of_none},
    {.name = "mode",
     .kind = FUNC_ORDERED,
     .nargs = 1,
     .args = {OID_ANYELEMENT},
     .result = OID_ANYELEMENT,
     .sqlite_name = "mode",
     .ordered = mode},
    HYPOTHETICAL(rank, OID_INT8),
    HYPOTHETICAL(dense_rank, OID_INT8),
    HYPOTHETICAL(percent_rank, OID_FLOAT8),
    HYPOTHETICAL(cume_dist, OID_FLOAT8),
};

const struct func_rows types__ordered_aggs = {rows, ARRAY_LEN(rows)};
