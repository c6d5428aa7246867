/*
 * RANGE BETWEEN offset PRECEDING AND ..: what the offset is by the type of the key, and whether a
 * row is that near to the current one. PostgreSQL calls this in_range().
 *
 * The bound is computed once for a row, key -+ offset by the operators that the two types have, and
 * the keys of other rows are compared with it. What would overflow is above or below everything.
 */
#include "types/frame.h"
#include "types/interval.h"

#include <math.h>

typedef struct error *bound_fn(const struct value *key, const struct value *offset, bool minus,
                               struct arena *a, struct range_bound *ret);

static struct error *invalid_size(void)
{
    return error_new("22013", "invalid preceding or following size in window function");
}

static struct error *int_bound(const struct value *key, const struct value *offset, bool minus,
                               struct arena *a, struct range_bound *ret)
{
    (void)a;
    int64_t at = 0;
    if (offset->i < 0)
        return invalid_size();
    bool over = minus ? __builtin_sub_overflow(key->i, offset->i, &at)
                      : __builtin_add_overflow(key->i, offset->i, &at);
    ret->side = !over ? 0 : minus ? -1 : 1;
    ret->at = value_int(at);
    return NULL;
}

static struct error *float_bound(const struct value *key, const struct value *offset, bool minus,
                                 struct arena *a, struct range_bound *ret)
{
    (void)a;
    if (!(offset->r >= 0))
        return invalid_size();
    ret->everything = isinf(offset->r) && isinf(key->r) && (key->r > 0) == minus;
    ret->at = value_real(ret->everything ? key->r
                         : minus         ? key->r - offset->r
                                         : key->r + offset->r);
    return NULL;
}

/* By an operator of the two types. */
static struct error *operator_bound(uint32_t key_type, const struct value *key,
                                    uint32_t offset_type, const struct value *offset, bool minus,
                                    struct arena *a, struct range_bound *ret)
{
    const struct value args[2] = {*key, *offset};
    const uint32_t types[2] = {key_type, offset_type};
    const struct func *f;
    TRY(func_resolve(minus ? "-" : "+", FUNC_OPERATOR, types, 2, &f));
    return f->call(args, 2, a, &ret->at);
}

static bool is_text(const struct value *v, const char *text)
{
    return v->s.n == strlen(text) && memcmp(v->s.p, text, v->s.n) == 0;
}

static struct error *numeric_bound(const struct value *key, const struct value *offset, bool minus,
                                   struct arena *a, struct range_bound *ret)
{
    if (is_text(offset, "NaN") || *offset->s.p == '-')
        return invalid_size();
    ret->everything = is_text(offset, "Infinity") && is_text(key, minus ? "Infinity" : "-Infinity");
    ret->at = *key;
    return ret->everything ? NULL
                           : operator_bound(OID_NUMERIC, key, OID_NUMERIC, offset, minus, a, ret);
}

static struct error *check_span(const struct value *offset)
{
    static const struct interval zero;
    struct interval i;
    TRY(interval_of(offset, &i));
    return interval_compare(&i, &zero) < 0 ? invalid_size() : NULL;
}

#define DEFINE_SPAN_BOUND(name, oid)                                                               \
    static struct error *name(const struct value *key, const struct value *offset, bool minus,     \
                              struct arena *a, struct range_bound *ret)                            \
    {                                                                                              \
        TRY(check_span(offset));                                                                   \
        return operator_bound(oid, key, OID_INTERVAL, offset, minus, a, ret);                      \
    }
DEFINE_SPAN_BOUND(timestamp_bound, OID_TIMESTAMP)
DEFINE_SPAN_BOUND(timestamptz_bound, OID_TIMESTAMPTZ)
DEFINE_SPAN_BOUND(interval_bound, OID_INTERVAL)

enum { FAR_DAYS = 10 }; /* any time of day is nearer, wherever on earth */

/* Only the interval's time counts, and it does not wrap around at midnight. */
static struct error *move_time(int64_t us, const struct value *offset, bool minus,
                               struct range_bound *ret, int64_t *ret_at)
{
    struct interval i;
    TRY(interval_of(offset, &i));
    if (i.us < 0)
        return invalid_size();
    if (minus)
        *ret_at = us - i.us;
    else
        ret->side = __builtin_add_overflow(us, i.us, ret_at) ? 1 : 0;
    return NULL;
}

static struct error *time_bound(const struct value *key, const struct value *offset, bool minus,
                                struct arena *a, struct range_bound *ret)
{
    (void)a;
    int64_t at = 0;
    TRY(move_time(key->i, offset, minus, ret, &at));
    ret->at = value_int(at);
    return NULL;
}

static struct error *timetz_bound(const struct value *key, const struct value *offset, bool minus,
                                  struct arena *a, struct range_bound *ret)
{
    (void)a;
    int32_t east;
    int64_t us = types__timetz_unpack(key->i, &east), at = 0;
    TRY(move_time(us, offset, minus, ret, &at));
    bool far = ret->side || at < -FAR_DAYS * DAY_US || at > FAR_DAYS * DAY_US;
    ret->side = !far ? 0 : minus ? -1 : 1;
    ret->at = value_int(far ? 0 : types__timetz_pack(at, east));
    return NULL;
}

static const struct range_kind {
    uint32_t key, offset; /* the offset's type, by that of the key */
    uint32_t as;          /* the bound's: keys become that */
    bound_fn *bound;
} kinds[] = {
    {OID_INT2, OID_INT8, OID_INT8, int_bound},
    {OID_INT4, OID_INT8, OID_INT8, int_bound},
    {OID_INT8, OID_INT8, OID_INT8, int_bound},
    {OID_FLOAT4, OID_FLOAT8, OID_FLOAT8, float_bound},
    {OID_FLOAT8, OID_FLOAT8, OID_FLOAT8, float_bound},
    {OID_NUMERIC, OID_NUMERIC, OID_NUMERIC, numeric_bound},
    {OID_DATE, OID_INTERVAL, OID_TIMESTAMP, timestamp_bound},
    {OID_TIMESTAMP, OID_INTERVAL, OID_TIMESTAMP, timestamp_bound},
    {OID_TIMESTAMPTZ, OID_INTERVAL, OID_TIMESTAMPTZ, timestamptz_bound},
    {OID_TIME, OID_INTERVAL, OID_TIME, time_bound},
    {OID_TIMETZ, OID_INTERVAL, OID_TIMETZ, timetz_bound},
    {OID_INTERVAL, OID_INTERVAL, OID_INTERVAL, interval_bound},
};

static const struct range_kind *kind_of(uint32_t key)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].key == key)
            return &kinds[i];
    }
    return NULL;
}

uint32_t types_range_offset(uint32_t key)
{
    const struct range_kind *k = kind_of(key);
    return k ? k->offset : 0;
}

static bool is_nan(const struct value *v)
{
    return v->kind == VALUE_REAL ? isnan(v->r) : v->kind == VALUE_TEXT && is_text(v, "NaN");
}

/* A date as a timestamp. */
static struct error *as_bound(uint32_t key_type, struct value *key, struct arena *a)
{
    const struct value date = *key;
    return key_type == OID_DATE ? types__date_to_timestamp(&date, 1, a, key) : NULL;
}

struct error *types__range_bound(uint32_t key_type, const struct value *key,
                                 const struct value *offset, bool minus, struct arena *a,
                                 struct range_bound *ret)
{
    const struct range_kind *k = kind_of(key_type);
    struct value from = *key;
    if (!k)
        return error_new(E_INTERNAL, "a frame over a key of type %u", key_type);
    *ret = (struct range_bound){.type = type_by_oid(k->as)};
    TRY(as_bound(key_type, &from, a));
    return k->bound(&from, offset, minus, a, ret);
}

struct error *types__in_range(uint32_t key_type, const struct value *key,
                              const struct range_bound *b, bool less, struct arena *a, bool *ret)
{
    struct value at = *key;
    TRY(as_bound(key_type, &at, a));
    const struct value *with = b->everything && !is_nan(&at) ? &at : &b->at;
    int order = b->side ? -b->side : type_compare(b->type, &at, with);
    *ret = less ? order <= 0 : order >= 0;
    return NULL;
}
