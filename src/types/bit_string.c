/*
 * bit(n) and bit varying(n): texts of 0s and 1s, whose order by bytes is PostgreSQL's. The typmod
 * is n. Bits are counted from the left.
 */
#include "types/types_int.h"

#include <ctype.h>

#define E_BIT_LENGTH "22026"
enum { BITS_MAX = 10485760 * 8 };

/* ---- text ------------------------------------------------------------------------------------ */

static void hex_digit(char c, char *out)
{
    int digit = isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
    for (int i = 0; i < 4; i++)
        out[i] = (char)('0' + (digit >> (3 - i) & 1));
}

static struct error *check_length(bool varying, size_t n, int32_t typmod)
{
    if (typmod < 0 || (varying ? n <= (size_t)typmod : n == (size_t)typmod))
        return NULL;
    return varying ? error_new("22001", "bit string too long for type bit varying(%d)", typmod)
                   : error_new(E_BIT_LENGTH, "bit string length %zu does not match type bit(%d)", n,
                               typmod);
}

/* "101", "b101" or "x1F". A wrong length is told before a wrong digit. */
static struct error *read_bits(bool varying, const char *s, size_t n, int32_t typmod,
                               struct arena *a, struct value *ret)
{
    bool hex = n && (*s == 'x' || *s == 'X'), head = hex || (n && (*s == 'b' || *s == 'B'));
    s += head;
    n -= head;
    if (n > BITS_MAX / 4)
        return error_new("54000", "bit string length exceeds the maximum allowed (%d)", BITS_MAX);
    TRY(check_length(varying, hex ? 4 * n : n, typmod));
    char *bits = arena_alloc(a, 4 * n + 1);
    for (size_t i = 0; i < n; i++) {
        bool good = hex ? isxdigit((unsigned char)s[i]) != 0 : s[i] == '0' || s[i] == '1';
        if (!good)
            return error_new(E_BAD_TEXT, "\"%.*s\" is not a valid %s digit",
                             (int)types__utf8_prefix(s + i, n - i, 1), s + i,
                             hex ? "hexadecimal" : "binary");
        if (hex)
            hex_digit(s[i], bits + 4 * i);
        else
            bits[i] = s[i];
    }
    *ret = value_text(bits, hex ? 4 * n : n);
    return NULL;
}

/* Zeros at the end */
static struct value padded(const struct value *v, size_t n, struct arena *a)
{
    char *p = arena_alloc(a, n + 1);
    memcpy(p, v->s.p, v->s.n);
    memset(p + v->s.n, '0', n - v->s.n);
    return value_text(p, n);
}

struct error *types__bit_fit(struct value *v, int32_t typmod, bool strict, struct arena *a)
{
    size_t n = (size_t)typmod;
    if (strict || typmod < 0 || v->s.n == n)
        return check_length(false, v->s.n, typmod);
    *v = v->s.n > n ? value_text(v->s.p, n) : padded(v, n, a);
    return NULL;
}

struct error *types__varbit_fit(struct value *v, int32_t typmod, bool strict, struct arena *a)
{
    if (strict || typmod < 0 || v->s.n <= (size_t)typmod)
        return check_length(true, v->s.n, typmod);
    *v = value_text(v->s.p, (size_t)typmod);
    return NULL;
}

struct error *types__bit_parse(const struct type *self, const char *s, size_t n, int32_t typmod,
                               struct arena *a, struct value *ret)
{
    return read_bits(self->oid != OID_BIT, s, n, typmod, a, ret);
}

/* ---- binary: the number of bits, then they in bytes -------------------------------------------
 */

struct error *types__bit_recv(const struct type *self, const char *s, size_t n, int32_t typmod,
                              struct arena *a, struct value *ret)
{
    struct reader r = reader_of(s, n);
    int32_t bits = (int32_t)read32(&r);
    if (!reader_ok(&r) || bits < 0 || bits > BITS_MAX)
        return error_new(E_BAD_BINARY, "invalid length in external bit string");
    if (reader_left(&r) != ((size_t)bits + 7) / 8)
        return error_new(E_BAD_BINARY, "incorrect binary data format");
    char *p = arena_alloc(a, (size_t)bits + 1);
    for (int32_t i = 0; i < bits; i++)
        p[i] = (char)('0' + ((unsigned char)s[4 + i / 8] >> (7 - i % 8) & 1));
    struct value v = value_text(p, (size_t)bits);
    TRY(self->oid == OID_BIT ? types__bit_fit(&v, typmod, true, a)
                             : types__varbit_fit(&v, typmod, true, a));
    *ret = v;
    return NULL;
}

void types__bit_send(const struct type *self, const struct value *v, int32_t typmod,
                     struct buf *out)
{
    buf_put32(out, (uint32_t)v->s.n);
    for (size_t i = 0; i < v->s.n; i += 8) {
        unsigned byte = 0;
        for (size_t k = 0; k < 8; k++)
            byte = byte << 1 | (i + k < v->s.n && v->s.p[i + k] == '1');
        buf_put8(out, (uint8_t)byte);
    }
}

/* ---- numbers ----------------------------------------------------------------------------------
 */

/* (number, typmod): its lowest bits; the sign goes on to the left. */
CALL(types__int_to_bit)
{
    int64_t n_bits = v[1].i > 0 ? v[1].i : 1;
    char *p = arena_alloc(a, (size_t)n_bits + 1);
    for (int64_t i = 0; i < n_bits; i++)
        p[n_bits - 1 - i] = (char)('0' + (int)(v[0].i >> MIN(i, 63) & 1));
    *ret = value_text(p, (size_t)n_bits);
    return NULL;
}

static struct error *to_int(const struct value *v, size_t bits, struct value *ret)
{
    uint64_t u = 0;
    if (v->s.n > bits)
        return error_new(E_OUT_OF_RANGE,
                         bits == 32 ? "integer out of range" : "bigint out of range");
    for (size_t i = 0; i < v->s.n; i++)
        u = u << 1 | (v->s.p[i] == '1');
    *ret = value_int(bits == 32 ? (int32_t)u : (int64_t)u);
    return NULL;
}

CALL(types__bit_to_int4)
{
    return to_int(v, 32, ret);
}

CALL(types__bit_to_int8)
{
    return to_int(v, 64, ret);
}

/* ---- operators ---------------------------------------------------------------------------------
 */

static struct error *bitwise(const struct value *v, char op, struct arena *a, struct value *ret)
{
    const char *word = op == '&' ? "AND" : op == '|' ? "OR" : "XOR";
    size_t n_bits = v[0].s.n;
    if (n_bits != v[1].s.n)
        return error_new(E_BIT_LENGTH, "cannot %s bit strings of different sizes", word);
    char *p = arena_alloc(a, n_bits + 1);
    for (size_t i = 0; i < n_bits; i++) {
        bool x = v[0].s.p[i] == '1', y = v[1].s.p[i] == '1';
        p[i] = (char)('0' + (op == '&' ? x && y : op == '|' ? x || y : x != y));
    }
    *ret = value_text(p, n_bits);
    return NULL;
}

static CALL(bit_and)
{
    return bitwise(v, '&', a, ret);
}

static CALL(bit_or)
{
    return bitwise(v, '|', a, ret);
}

static CALL(bit_xor)
{
    return bitwise(v, '#', a, ret);
}

static CALL(bit_not)
{
    char *p = arena_alloc(a, v->s.n + 1);
    for (size_t i = 0; i < v->s.n; i++)
        p[i] = v->s.p[i] == '1' ? '0' : '1';
    *ret = value_text(p, v->s.n);
    return NULL;
}

/* To the left, where `by` is positive; zeros come in. */
static struct value shifted(const struct value *v, int64_t by, struct arena *a)
{
    size_t n = v->s.n, far = (size_t)(by < 0 ? -by : by);
    char *p = arena_alloc(a, n + 1);
    memset(p, '0', n);
    if (far < n && by >= 0)
        memcpy(p, v->s.p + far, n - far);
    else if (far < n)
        memcpy(p + far, v->s.p, n - far);
    return value_text(p, n);
}

static CALL(bit_left)
{
    *ret = shifted(&v[0], v[1].i, a);
    return NULL;
}

static CALL(bit_right)
{
    *ret = shifted(&v[0], -v[1].i, a);
    return NULL;
}

/* ---- functions ----------------------------------------------------------------------------------
 */

static CALL(bit_length)
{
    *ret = value_int((int64_t)v->s.n);
    return NULL;
}

static CALL(bit_octets)
{
    *ret = value_int((int64_t)(v->s.n + 7) / 8);
    return NULL;
}

static CALL(bit_count)
{
    int64_t count = 0;
    for (size_t i = 0; i < v->s.n; i++)
        count += v->s.p[i] == '1';
    *ret = value_int(count);
    return NULL;
}

static struct error *check_index(const struct value *v)
{
    if (v[1].i >= 0 && v[1].i < (int64_t)v[0].s.n)
        return NULL;
    return error_new("2202E", "bit index %lld out of valid range (0..%lld)", (long long)v[1].i,
                     (long long)v[0].s.n - 1);
}

static CALL(bit_get)
{
    TRY(check_index(v));
    *ret = value_int(v[0].s.p[v[1].i] == '1');
    return NULL;
}

static CALL(bit_set)
{
    TRY(check_index(v));
    if (v[2].i != 0 && v[2].i != 1)
        return error_new("22023", "new bit must be 0 or 1");
    char *p = arena_strndup(a, v[0].s.p, v[0].s.n);
    p[v[1].i] = (char)('0' + v[2].i);
    *ret = value_text(p, v[0].s.n);
    return NULL;
}

/* From the first-th, counted from 1, which may lie before the beginning; length < 0: the rest. */
static struct value part(const struct value *v, int64_t first, int64_t length)
{
    int64_t end = length < 0 ? (int64_t)v->s.n : MIN(first - 1 + length, (int64_t)v->s.n);
    int64_t start = MAX(first - 1, 0);
    return value_text(v->s.p + MIN(start, (int64_t)v->s.n),
                      start < end ? (size_t)(end - start) : 0);
}

static CALL(bit_substring)
{
    if (n > 2 && v[2].i < 0)
        return error_new("22011", "negative substring length not allowed");
    *ret = part(&v[0], v[1].i, n > 2 ? v[2].i : -1);
    return NULL;
}

static CALL(bit_overlay)
{
    int64_t first = v[2].i, length = n > 3 ? v[3].i : (int64_t)v[1].s.n;
    if (first < 1)
        return error_new("22011", "negative substring length not allowed");
    if (first + length > INT32_MAX)
        return error_new(E_OUT_OF_RANGE, "integer out of range");
    struct value before = part(&v[0], 1, first - 1), after = part(&v[0], first + length, -1);
    char *p = arena_alloc(a, before.s.n + v[1].s.n + after.s.n + 1);
    memcpy(p, before.s.p, before.s.n);
    memcpy(p + before.s.n, v[1].s.p, v[1].s.n);
    memcpy(p + before.s.n + v[1].s.n, after.s.p, after.s.n);
    *ret = value_text(p, before.s.n + v[1].s.n + after.s.n);
    return NULL;
}

/* (string, part) */
static CALL(bit_position)
{
    const char *at = memmem(v[0].s.p, v[0].s.n, v[1].s.p, v[1].s.n);
    *ret = value_int(v[0].s.n == 0 || !at ? 0 : at - v[0].s.p + 1);
    return NULL;
}

/* ---- aggregates
 * ---------------------------------------------------------------------------------- */

static void init(struct agg_state *s)
{
    *s = (struct agg_state){0};
}

static void done(struct agg_state *s)
{
    mem_free(s->s.p);
    init(s);
}

static struct error *step_as(struct agg_state *s, const struct value *v, char op)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct value next = *v, pair[2] = {value_text(s->s.p, s->s.n), *v};
    if (s->count++)
        TRY(bitwise(pair, op, &a, &next));
    char *copy = mem_strndup(next.s.p, next.s.n);
    mem_free(s->s.p);
    s->s.p = copy;
    s->s.n = next.s.n;
    return NULL;
}

static struct error * final(struct agg_state *s, struct arena *a, struct value *ret)
{
    *ret = (struct value){.kind = VALUE_NULL};
    if (s->count)
        *ret = value_text(arena_strndup(a, s->s.p, s->s.n), s->s.n);
    return NULL;
}

#define DEFINE_AGG(name, op)                                                                       \
    static struct error *name##_step(struct agg_state *s, const struct value *v, int n)            \
    {                                                                                              \
        return step_as(s, v, op);                                                                  \
    }                                                                                              \
    static struct error *name##_merge(struct agg_state *s, const struct agg_state *from)           \
    {                                                                                              \
        struct value other = value_text(from->s.p, from->s.n);                                     \
        return from->count ? step_as(s, &other, op) : NULL;                                        \
    }                                                                                              \
    static const struct agg name##_agg = {init, name##_step, name##_merge, final, done};

DEFINE_AGG(bit_and, '&')
DEFINE_AGG(bit_or, '|')
DEFINE_AGG(bit_xor, '#')

/* ---- rows ---------------------------------------------------------------------------------------
 */

#define T OID_BIT
#define I4 OID_INT4
#define AGG(n)                                                                                     \
    {                                                                                              \
        .name = #n, .kind = FUNC_AGGREGATE, .nargs = 1, .args = {T}, .result = T, .strict = true,  \
        .sqlite_name = "bits_" #n, .over_emit = "bits_" #n "_over($1)", .agg = &n##_agg            \
    }

static const struct func rows[] = {
    BINARY("&", T, T, T, "bits_and", bit_and),
    BINARY("|", T, T, T, "bits_or", bit_or),
    BINARY("#", T, T, T, "bits_xor", bit_xor),
    PREFIX("~", T, T, "bits_not", bit_not),
    BINARY("<<", T, I4, T, "bits_left", bit_left),
    BINARY(">>", T, I4, T, "bits_right", bit_right),
    BINARY("||", OID_VARBIT, OID_VARBIT, OID_VARBIT, "text_concat2", types__text_concat2),
    SCALAR1("length", T, I4, "bits_length", bit_length),
    SCALAR1("bit_length", T, I4, "bits_length", bit_length),
    SCALAR1("octet_length", T, I4, "bits_octets", bit_octets),
    SCALAR1("bit_count", T, OID_INT8, "bits_count", bit_count),
    SCALAR2("get_bit", T, I4, I4, "bits_get", bit_get),
    SCALAR3("set_bit", T, I4, I4, T, "bits_set", bit_set),
    SCALAR2("substring", T, I4, T, "bits_substring_2", bit_substring),
    SCALAR3("substring", T, I4, I4, T, "bits_substring_3", bit_substring),
    SCALAR3("overlay", T, T, I4, T, "bits_overlay_3", bit_overlay),
    {.name = "overlay",
     .kind = FUNC_SCALAR,
     .nargs = 4,
     .args = {T, T, I4, I4},
     .result = T,
     .strict = true,
     .sqlite_name = "bits_overlay_4",
     .call = bit_overlay},
    SCALAR2("position", T, T, I4, "bits_position", bit_position),
    AGG(bit_and),
    AGG(bit_or),
    AGG(bit_xor),
};

const struct func_rows types__bit_string_funcs = {rows, ARRAY_LEN(rows)};
