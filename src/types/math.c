/* Mathematical functions over float8, with PostgreSQL's domain errors; random(). */
#include "types/types_int.h"

#include <math.h>

static struct error *domain(const char *sqlstate, const char *message)
{
    return error_new(sqlstate, "%s", message);
}

static struct error *input_out_of_range(void)
{
    return error_new(E_OUT_OF_RANGE, "input is out of range");
}

/* `r` was made of finite arguments, unless inf_in. */
static struct error *finish(double r, bool inf_in, struct value *ret)
{
    if (isinf(r) && !inf_in)
        return types__float_overflow();
    *ret = value_real(r);
    return NULL;
}

#define PLAIN(name, fn)                                                                            \
    static CALL(name)                                                                              \
    {                                                                                              \
        *ret = value_real(fn(v->r));                                                               \
        return NULL;                                                                               \
    }

PLAIN(float_round, rint) /* halves go to the even neighbour, as in PostgreSQL */
PLAIN(float_trunc, trunc)
PLAIN(float_ceil, ceil)
PLAIN(float_floor, floor)
PLAIN(float_cbrt, cbrt)
PLAIN(float_atan, atan)
PLAIN(float_tanh, tanh)
PLAIN(float_asinh, asinh)

static CALL(float_sign)
{
    *ret = value_real((v->r > 0) - (v->r < 0));
    return NULL;
}

static CALL(float_sqrt)
{
    if (v->r < 0)
        return domain("2201F", "cannot take square root of a negative number");
    *ret = value_real(sqrt(v->r));
    return NULL;
}

static CALL(float_power)
{
    double x = v[0].r, y = v[1].r;
    if (isnan(x) || isnan(y)) {
        *ret = value_real(pow(x, y)); /* NaN ^ 0 and 1 ^ NaN are 1 */
        return NULL;
    }
    if (x == 0 && y < 0)
        return domain("2201F", "zero raised to a negative power is undefined");
    if (x < 0 && floor(y) != y)
        return domain("2201F",
                      "a negative number raised to a non-integer power yields a complex result");
    double r = pow(x, y);
    if (r == 0 && x != 0 && !isinf(x) && !isinf(y))
        return types__float_underflow();
    return finish(r, isinf(x) || isinf(y), ret);
}

static CALL(float_exp)
{
    double r = exp(v->r);
    if (r == 0 && !isinf(v->r))
        return types__float_underflow();
    return finish(r, isinf(v->r), ret);
}

static struct error *logarithm(double (*fn)(double), double x, struct value *ret)
{
    if (x == 0)
        return domain("2201E", "cannot take logarithm of zero");
    if (x < 0)
        return domain("2201E", "cannot take logarithm of a negative number");
    return finish(fn(x), isinf(x), ret);
}

static CALL(float_ln)
{
    return logarithm(log, v->r, ret);
}

static CALL(float_log10)
{
    return logarithm(log10, v->r, ret);
}

static CALL(float_pi)
{
    *ret = value_real(M_PI);
    return NULL;
}

static CALL(float_degrees)
{
    return finish(v->r / (M_PI / 180.0), isinf(v->r), ret);
}

static CALL(float_radians)
{
    *ret = value_real(v->r * (M_PI / 180.0));
    return NULL;
}

/* ---- trigonometry ---- */

static struct error *trigonometric(double (*fn)(double), double x, struct value *ret)
{
    if (isinf(x))
        return input_out_of_range();
    *ret = value_real(fn(x));
    return NULL;
}

static double cotangent(double x)
{
    return 1.0 / tan(x);
}

static CALL(float_sin)
{
    return trigonometric(sin, v->r, ret);
}

static CALL(float_cos)
{
    return trigonometric(cos, v->r, ret);
}

static CALL(float_tan)
{
    return trigonometric(tan, v->r, ret);
}

static CALL(float_cot)
{
    return trigonometric(cotangent, v->r, ret);
}

static struct error *within(double (*fn)(double), double x, double low, double high,
                            struct value *ret)
{
    if (x < low || x > high)
        return input_out_of_range();
    *ret = value_real(fn(x));
    return NULL;
}

static CALL(float_asin)
{
    return within(asin, v->r, -1, 1, ret);
}

static CALL(float_acos)
{
    return within(acos, v->r, -1, 1, ret);
}

static CALL(float_acosh)
{
    return within(acosh, v->r, 1, INFINITY, ret);
}

static CALL(float_atanh)
{
    return within(atanh, v->r, -1, 1, ret);
}

static CALL(float_atan2)
{
    *ret = value_real(atan2(v[0].r, v[1].r));
    return NULL;
}

static CALL(float_sinh)
{
    return finish(sinh(v->r), true, ret);
}

static CALL(float_cosh)
{
    return finish(cosh(v->r), true, ret);
}

/* ---- chance ---- */

/* xoroshiro128** (Blackman and Vigna), seeded by splitmix64: what PostgreSQL 15 has, so that after
 * setseed() the same numbers come. */
static _Thread_local struct random own; /* of a thread that works for no session */
static _Thread_local struct random *used;

void types_random_use(struct random *r)
{
    used = r;
}

static uint64_t rotated(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static uint64_t mix(uint64_t *seed)
{
    uint64_t x = *seed += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static void seed_random(struct random *r, uint64_t seed)
{
    r->s[0] = mix(&seed);
    r->s[1] = mix(&seed);
}

static double next_random(void)
{
    struct random *r = used ? used : &own;
    if (!r->s[0] && !r->s[1])
        seed_random(r, random_u64());
    uint64_t x = r->s[0], y = r->s[1] ^ x, next = rotated(x * 5, 7) * 9;
    r->s[0] = rotated(x, 24) ^ y ^ (y << 16);
    r->s[1] = rotated(y, 37);
    return ldexp((double)(next >> 12), -52);
}

static CALL(float_random)
{
    *ret = value_real(next_random());
    return NULL;
}

/* (percentage, seed or NULL, row): is it in the sample? */
static CALL(sampled)
{
    if (v[0].kind == VALUE_NULL)
        return error_new("2202H", "TABLESAMPLE parameter cannot be null");
    if (!(v[0].r >= 0 && v[0].r <= 100))
        return error_new("2202H", "sample percentage must be between 0 and 100");
    double at = 0;
    if (v[1].kind == VALUE_NULL) {
        at = next_random();
    } else {
        uint64_t seed = value_hash(&v[1]) ^ hash_bytes(v[2].s.p, v[2].s.n);
        at = ldexp((double)(mix(&seed) >> 12), -52);
    }
    *ret = value_int(at * 100 < v[0].r);
    return NULL;
}

static CALL(setseed)
{
    if (!(v->r >= -1 && v->r <= 1))
        return error_new("22023", "setseed parameter %s is out of allowed range [-1,1]",
                         isnan(v->r) ? "NaN" : arena_printf(a, "%g", v->r));
    int64_t seed = (int64_t)((double)((UINT64_C(1) << 52) - 1) * v->r);
    seed_random(used ? used : &own, (uint64_t)seed);
    *ret = value_text("", 0);
    return NULL;
}

/* ---- rows ---- */

#define F8 OID_FLOAT8
#define ONE(name, fn) SCALAR1(name, F8, F8, #fn, fn)

static const struct func rows[] = {
    ONE("round", float_round),
    ONE("dround", float_round),
    ONE("trunc", float_trunc),
    ONE("ceil", float_ceil),
    ONE("ceiling", float_ceil),
    ONE("floor", float_floor),
    ONE("sign", float_sign),
    ONE("sqrt", float_sqrt),
    ONE("cbrt", float_cbrt),
    ONE("exp", float_exp),
    ONE("ln", float_ln),
    ONE("log", float_log10),
    ONE("log10", float_log10),
    ONE("degrees", float_degrees),
    ONE("radians", float_radians),
    ONE("sin", float_sin),
    ONE("cos", float_cos),
    ONE("tan", float_tan),
    ONE("cot", float_cot),
    ONE("asin", float_asin),
    ONE("acos", float_acos),
    ONE("atan", float_atan),
    ONE("sinh", float_sinh),
    ONE("cosh", float_cosh),
    ONE("tanh", float_tanh),
    ONE("asinh", float_asinh),
    ONE("acosh", float_acosh),
    ONE("atanh", float_atanh),
    SCALAR2("atan2", F8, F8, F8, "float_atan2", float_atan2),
    SCALAR2("power", F8, F8, F8, "float_power", float_power),
    SCALAR2("pow", F8, F8, F8, "float_power", float_power),
    BINARY("^", F8, F8, F8, "float_power", float_power),
    PREFIX("|/", F8, F8, "float_sqrt", float_sqrt),
    PREFIX("||/", F8, F8, "float_cbrt", float_cbrt),
    {.name = "pi",
     .kind = FUNC_SCALAR,
     .result = F8,
     .strict = true,
     .sqlite_name = "float_pi",
     .call = float_pi},
    {.name = "random",
     .kind = FUNC_SCALAR,
     .result = F8,
     .strict = true,
     .volatile_ = true,
     .sqlite_name = "float_random",
     .call = float_random},
    {.name = "minisql_sampled",
     .kind = FUNC_SCALAR,
     .nargs = 3,
     .args = {OID_FLOAT4, F8, OID_JSON},
     .result = OID_BOOL,
     .volatile_ = true,
     .sqlite_name = "minisql_sampled",
     .call = sampled},
    {.name = "setseed",
     .kind = FUNC_SCALAR,
     .nargs = 1,
     .args = {F8},
     .result = OID_VOID,
     .strict = true,
     .volatile_ = true,
     .sqlite_name = "setseed",
     .call = setseed},
};

const struct func_rows types__math_funcs = {rows, ARRAY_LEN(rows)};
