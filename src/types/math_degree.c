/*
 * Trigonometry in degrees, exact at multiples of 30 and 45 as PostgreSQL makes it: a quadrant's
 * function is scaled so that the well-known values come out. And width_bucket().
 */
#include "types/numeric.h"

#include <math.h>

static const double RADIANS = M_PI / 180.0;

static struct error *out_of_range(void)
{
    return error_new(E_OUT_OF_RANGE, "input is out of range");
}

/* ---- the first quadrant
 * --------------------------------------------------------------------------- */

static double sin_to_30(double x)
{
    volatile double scale = sin(30.0 * RADIANS);
    volatile double sine = sin(x * RADIANS);
    return (sine / scale) / 2.0;
}

static double cos_to_60(double x)
{
    volatile double scale = 1.0 - cos(60.0 * RADIANS);
    volatile double below_one = 1.0 - cos(x * RADIANS);
    return 1.0 - (below_one / scale) / 2.0;
}

static double sin_quadrant(double x)
{
    return x <= 30.0 ? sin_to_30(x) : cos_to_60(90.0 - x);
}

static double cos_quadrant(double x)
{
    return x <= 60.0 ? cos_to_60(x) : sin_to_30(90.0 - x);
}

static double asin_quadrant(double x)
{
    if (x <= 0.5)
        return (asin(x) / asin(0.5)) * 30.0;
    return 90.0 - (acos(x) / acos(0.5)) * 60.0;
}

static double acos_quadrant(double x)
{
    if (x <= 0.5)
        return 90.0 - (asin(x) / asin(0.5)) * 30.0;
    return (acos(x) / acos(0.5)) * 60.0;
}

/* ---- any angle: folded into the first quadrant, with the sign of each function
 * ---------------------- */

struct angle {
    double x;
    int sin_sign, cos_sign;
};

static struct angle fold(double x)
{
    struct angle f = {fmod(x, 360.0), 1, 1};
    if (f.x < 0) {
        f.x = -f.x;
        f.sin_sign = -1;
    }
    if (f.x > 180.0) {
        f.x = 360.0 - f.x;
        f.sin_sign = -f.sin_sign;
    }
    if (f.x > 90.0) {
        f.x = 180.0 - f.x;
        f.cos_sign = -1;
    }
    return f;
}

static CALL(float_sind)
{
    if (isinf(v->r))
        return out_of_range();
    struct angle f = fold(v->r);
    *ret = value_real(f.sin_sign * sin_quadrant(f.x));
    return NULL;
}

static CALL(float_cosd)
{
    if (isinf(v->r))
        return out_of_range();
    struct angle f = fold(v->r);
    *ret = value_real(f.cos_sign * cos_quadrant(f.x));
    return NULL;
}

static CALL(float_tand)
{
    if (isinf(v->r))
        return out_of_range();
    struct angle f = fold(v->r);
    double unit = sin_quadrant(45.0) / cos_quadrant(45.0);
    double r = f.sin_sign * f.cos_sign * ((sin_quadrant(f.x) / cos_quadrant(f.x)) / unit);
    *ret = value_real(r == 0 ? 0 : r);
    return NULL;
}

static CALL(float_cotd)
{
    if (isinf(v->r))
        return out_of_range();
    struct angle f = fold(v->r);
    double unit = cos_quadrant(45.0) / sin_quadrant(45.0);
    double r = f.sin_sign * f.cos_sign * ((cos_quadrant(f.x) / sin_quadrant(f.x)) / unit);
    *ret = value_real(r == 0 ? 0 : r);
    return NULL;
}

static CALL(float_asind)
{
    if (v->r < -1 || v->r > 1)
        return out_of_range();
    *ret = value_real(v->r >= 0 ? asin_quadrant(v->r) : -asin_quadrant(-v->r));
    return NULL;
}

static CALL(float_acosd)
{
    if (v->r < -1 || v->r > 1)
        return out_of_range();
    *ret = value_real(v->r >= 0 ? acos_quadrant(v->r) : 90.0 + asin_quadrant(-v->r));
    return NULL;
}

static CALL(float_atand)
{
    *ret = value_real((atan(v->r) / atan(1.0)) * 45.0);
    return NULL;
}

static CALL(float_atan2d)
{
    *ret = value_real((atan2(v[0].r, v[1].r) / atan(1.0)) * 45.0);
    return NULL;
}

/* ---- width_bucket(x, low, high, count): low may be above high
 * --------------------------------------- */

static struct error *bucket_error(const char *message)
{
    return error_new("2201G", "%s", message);
}

static struct error *give_bucket(int64_t bucket, struct value *ret)
{
    *ret = value_int(bucket);
    return bucket > INT32_MAX ? error_new(E_OUT_OF_RANGE, "integer out of range") : NULL;
}

static CALL(float_width_bucket)
{
    double x = v[0].r, low = v[1].r, high = v[2].r;
    int64_t count = v[3].i;
    if (count <= 0)
        return bucket_error("count must be greater than zero");
    if (isnan(x) || isnan(low) || isnan(high))
        return bucket_error("operand, lower bound, and upper bound cannot be NaN");
    if (isinf(low) || isinf(high))
        return bucket_error("lower and upper bounds must be finite");
    if (low == high)
        return bucket_error("lower bound cannot equal upper bound");
    bool up = low < high;
    if (up ? x < low : x > low)
        return give_bucket(0, ret);
    if (up ? x >= high : x <= high)
        return give_bucket(count + 1, ret);
    double part;
    if (!isinf(high - low))
        part = up ? (x - low) / (high - low) : (low - x) / (low - high);
    else
        part = up ? (x / 2 - low / 2) / (high / 2 - low / 2)
                  : (low / 2 - x / 2) / (low / 2 - high / 2);
    int64_t bucket = (int64_t)((double)count * part);
    return give_bucket(MIN(bucket, count - 1) + 1, ret);
}

struct bucket {
    struct num x, low, high;
};

static void bucket_done(struct bucket *b)
{
    num_done(&b->x);
    num_done(&b->low);
    num_done(&b->high);
}

static struct error *numeric_bucket(struct bucket *b, int64_t count, struct value *ret)
{
    int order = num_compare(&b->low, &b->high);
    if (b->x.kind == NUM_NAN || b->low.kind == NUM_NAN || b->high.kind == NUM_NAN)
        return bucket_error("operand, lower bound, and upper bound cannot be NaN");
    if (b->low.kind || b->high.kind)
        return bucket_error("lower and upper bounds must be finite");
    if (order == 0)
        return bucket_error("lower bound cannot equal upper bound");
    if (order > 0) { /* mirrored */
        num_negate(&b->x);
        num_negate(&b->low);
        num_negate(&b->high);
    }
    if (num_compare(&b->x, &b->low) < 0)
        return give_bucket(0, ret);
    if (num_compare(&b->x, &b->high) >= 0)
        return give_bucket(count + 1, ret);
    struct num factor;
    int64_t bucket;
    num_of_int(count, &factor);
    num_sub(&b->x, &b->low);
    num_sub(&b->high, &b->low);
    num_mul(&b->x, &factor);
    num_div(&b->x, &b->high, num_div_scale(&b->x, &b->high), true);
    num_truncate(&b->x, 0);
    num_done(&factor);
    bucket = (int64_t)(b->x.big ? (__int128)mpz_get_si(b->x.z) : b->x.small);
    return give_bucket(bucket + 1, ret); /* it may have been rounded up to the count */
}

static CALL(numeric_width_bucket)
{
    struct bucket b = {0};
    if (v[3].i <= 0)
        return bucket_error("count must be greater than zero");
    struct error *e = num_read(v[0].s.p, v[0].s.n, &b.x);
    if (!e)
        e = num_read(v[1].s.p, v[1].s.n, &b.low);
    if (!e)
        e = num_read(v[2].s.p, v[2].s.n, &b.high);
    if (!e)
        e = numeric_bucket(&b, v[3].i, ret);
    bucket_done(&b);
    return e;
}

/* ---- rows
 * ----------------------------------------------------------------------------------------- */

#define F8 OID_FLOAT8
#define ONE(name) SCALAR1(#name, F8, F8, "float_" #name, float_##name)
#define BUCKET(type, fn)                                                                           \
    {                                                                                              \
        .name = "width_bucket", .kind = FUNC_SCALAR, .nargs = 4,                                   \
        .args = {type, type, type, OID_INT4}, .result = OID_INT4, .strict = true,                  \
        .sqlite_name = #fn, .call = fn                                                             \
    }

static const struct func rows[] = {
    ONE(sind),
    ONE(cosd),
    ONE(tand),
    ONE(cotd),
    ONE(asind),
    ONE(acosd),
    ONE(atand),
    SCALAR2("atan2d", F8, F8, F8, "float_atan2d", float_atan2d),
    BUCKET(F8, float_width_bucket),
    BUCKET(OID_NUMERIC, numeric_width_bucket),
};

const struct func_rows types__degree_funcs = {rows, ARRAY_LEN(rows)};
