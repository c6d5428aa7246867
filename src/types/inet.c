/*
 * inet and cidr: an address of IPv4 or IPv6 and how many of its bits are the network's. Both are
 * kept as text, always with the number of bits: "10.1.2.3/32", "2001:db8::/32". That is how
 * PostgreSQL casts them to text; an inet that is a whole address is printed without. Texts of equal
 * values are equal; the order is that of the collation minisql_inet.
 */
#include "types/types_int.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>

enum { V4_BITS = 32, V6_BITS = 128, V6_BYTES = 16 };

/* IPv4 in the first four bytes; the others are 0. */
struct inet {
    bool v6;
    int bits;
    unsigned char a[V6_BYTES];
};

static int max_bits(const struct inet *x)
{
    return x->v6 ? V6_BITS : V4_BITS;
}

static size_t n_bytes(const struct inet *x)
{
    return (size_t)max_bits(x) / 8;
}

/* The bits that are the same in both from the left on, at most n. */
static int common_bits(const struct inet *x, const struct inet *y, int n)
{
    int i = 0;
    while (i < n && !((x->a[i / 8] ^ y->a[i / 8]) & (0x80 >> i % 8)))
        i++;
    return i;
}

/* Sets all bits from the n-th on. */
static void fill(struct inet *x, int n, bool one)
{
    for (int i = n; i < max_bits(x); i++) {
        unsigned char bit = (unsigned char)(0x80 >> i % 8);
        x->a[i / 8] = (unsigned char)(one ? x->a[i / 8] | bit : x->a[i / 8] & ~bit);
    }
}

static bool is_network(const struct inet *x)
{
    struct inet y = *x;
    fill(&y, x->bits, false);
    return memcmp(x->a, y.a, V6_BYTES) == 0;
}

/* ---- text ----------------------------------------------------------------------------------- */

/* A number of decimal digits and what follows it; false: there is none, or it is above `max`. */
static bool take_number(const char **p, int max, int *ret)
{
    int n = 0;
    if (!isdigit((unsigned char)**p))
        return false;
    for (; isdigit((unsigned char)**p); ++*p)
        if ((n = n * 10 + (**p - '0')) > max)
            return false;
    *ret = n;
    return true;
}

/* One to four numbers with dots between them, for an inet also one behind them; 0: it is something
 * else. */
static int take_bytes(const char **p, bool dot_at_end, unsigned char *bytes)
{
    int n = 0, byte;
    do {
        if (n && dot_at_end && !isdigit((unsigned char)**p))
            return n;
        if (n == 4 || !take_number(p, 255, &byte))
            return 0;
        bytes[n++] = (unsigned char)byte;
    } while (**p == '.' && ++*p);
    return n;
}

/* The number of bits, if there is one; then the end. */
static bool take_bits(const char *p, int max, int *bits)
{
    return !*p || (*p == '/' && (p++, take_number(&p, max, bits)) && !*p);
}

/* Fewer than four bytes need their number of bits, and may have no more of these. */
static bool read_v4(const char *p, struct inet *ret)
{
    int n = take_bytes(&p, true, ret->a);
    ret->bits = V4_BITS;
    return n && (n == 4 || *p) && take_bits(p, V4_BITS, &ret->bits) && ret->bits / 8 <= n;
}

/* Of IPv6 no number may begin with a 0. */
static bool take_plain_number(const char **p, int max, int *ret)
{
    return !(**p == '0' && isdigit((unsigned char)(*p)[1])) && take_number(p, max, ret);
}

static bool take_v6_bits(const char *p, int *bits)
{
    return !*p || (*p == '/' && (p++, take_plain_number(&p, V6_BITS, bits)) && !*p);
}

/* 192.168.1.2 at the end of an address: up to four numbers, and none is 0 unless it is the last. */
static bool read_v4_end(const char *p, unsigned char *bytes, int *bits)
{
    for (int n = 0; n < 4; n++) {
        int byte = 0;
        if (isdigit((unsigned char)*p) ? !take_plain_number(&p, 255, &byte)
                                       : *p != '.' && *p != '/')
            return false;
        bytes[n] = (unsigned char)byte;
        if (*p != '.')
            return take_v6_bits(p, bits);
        p++;
    }
    return false;
}

/* Moves what is behind the :: to the end; false: there is no room for it. */
static bool stretch(unsigned char *a, int gap, int n)
{
    if (gap < 0 || n == V6_BYTES)
        return gap < 0 && n == V6_BYTES;
    memmove(a + V6_BYTES - (n - gap), a + gap, (size_t)(n - gap));
    memset(a + gap, 0, (size_t)(V6_BYTES - n));
    return true;
}

static bool read_v6(const char *p, struct inet *ret)
{
    int n = 0, gap = -1;
    ret->v6 = true;
    ret->bits = V6_BITS;
    if (*p == ':' && *++p != ':')
        return false;
    for (;;) {
        size_t digits = strspn(p, "0123456789abcdefABCDEF");
        if (!digits && *p == ':') {
            if (gap >= 0)
                return false;
            gap = n;
            p++;
            continue;
        }
        if (p[digits] == '.') {
            if (digits > 4 || n + 4 > V6_BYTES || !read_v4_end(p, ret->a + n, &ret->bits))
                return false;
            return stretch(ret->a, gap, n + 4);
        }
        if (!digits)
            return take_v6_bits(p, &ret->bits) && stretch(ret->a, gap, n);
        if (digits > 4 || n + 2 > V6_BYTES)
            return false;
        unsigned long group = strtoul(p, NULL, 16);
        ret->a[n++] = (unsigned char)(group >> 8);
        ret->a[n++] = (unsigned char)group;
        p += digits;
        if (*p == ':' && !*++p)
            return false;
        if (p[-1] != ':')
            return take_v6_bits(p, &ret->bits) && stretch(ret->a, gap, n);
    }
}

/* "0x0a01": digits in pairs, a 0 may be missing at the end. */
static int take_hex(const char **p, unsigned char *bytes)
{
    int n = 0;
    for (*p += 2; isxdigit((unsigned char)**p); n++) {
        char pair[3] = {*(*p)++, '0'};
        if (n == 4)
            return 0;
        if (isxdigit((unsigned char)**p))
            pair[1] = *(*p)++;
        bytes[n] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return n;
}

/* The network's bits in the days of classes. */
static int class_bits(const unsigned char *bytes, int n)
{
    int first = bytes[0];
    int bits = first >= 240 ? 32 : first >= 224 ? 8 : first >= 192 ? 24 : first >= 128 ? 16 : 8;
    bits = MAX(bits, 8 * n);
    return bits == 8 && first == 224 ? 4 : bits;
}

/* A cidr may leave out bytes: "10", "192.168". */
static bool read_cidr_v4(const char *p, struct inet *ret)
{
    bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
    int n = hex ? take_hex(&p, ret->a) : take_bytes(&p, false, ret->a);
    ret->bits = class_bits(ret->a, n);
    return n && take_bits(p, V4_BITS, &ret->bits);
}

static struct error *parse(const char *s, size_t n, bool cidr, struct inet *ret)
{
    char text[128];
    *ret = (struct inet){0};
    bool fits = n < sizeof(text) && !memchr(s, '\0', n);
    if (fits) {
        memcpy(text, s, n);
        text[n] = '\0';
    }
    if (!fits || !(strchr(text, ':') ? read_v6(text, ret)
                   : cidr            ? read_cidr_v4(text, ret)
                                     : read_v4(text, ret)))
        return error_new(E_BAD_TEXT, "invalid input syntax for type %s: \"%.*s\"",
                         cidr ? "cidr" : "inet", (int)MIN(n, 1000), s);
    if (cidr && !is_network(ret))
        return error_detail(
            error_new(E_BAD_TEXT, "invalid cidr value: \"%.*s\"", (int)MIN(n, 1000), s),
            "Value has bits set to right of mask.");
    return NULL;
}

static void put_address(const struct inet *x, char ret[INET6_ADDRSTRLEN])
{
    inet_ntop(x->v6 ? AF_INET6 : AF_INET, x->a, ret, INET6_ADDRSTRLEN);
}

static struct value text_of(const struct inet *x, struct arena *a)
{
    char address[INET6_ADDRSTRLEN];
    put_address(x, address);
    char *p = arena_printf(a, "%s/%d", address, x->bits);
    return value_text(p, strlen(p));
}

/* What is stored; the files may have been edited. */
static struct inet stored(const struct value *v)
{
    struct inet x;
    struct error *e = parse(v->s.p, v->s.n, false, &x);
    if (e)
        x = (struct inet){.bits = V4_BITS};
    error_free(e);
    return x;
}

/* Without the number of bits, if that is all of them: what an inet looks like. */
static size_t shown_length(const struct value *v)
{
    bool v6 = memchr(v->s.p, ':', v->s.n) != NULL;
    const char *end = v6 ? "/128" : "/32";
    size_t n = strlen(end);
    return v->s.n >= n && memcmp(v->s.p + v->s.n - n, end, n) == 0 ? v->s.n - n : v->s.n;
}

struct error *types__inet_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                struct value *ret)
{
    struct inet x;
    TRY(parse(s, n, false, &x));
    *ret = text_of(&x, a);
    return NULL;
}

struct error *types__cidr_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                struct value *ret)
{
    struct inet x;
    TRY(parse(s, n, true, &x));
    *ret = text_of(&x, a);
    return NULL;
}

void types__inet_print(const struct value *v, int32_t typmod, struct buf *out)
{
    buf_append(out, v->s.p, shown_length(v));
}

/* ---- binary: family, bits, is it a cidr, the number of bytes, and they ----------------------- */

enum { HEAD = 4, FAMILY_V4 = 2, FAMILY_V6 = 3 };

static struct error *receive(const char *s, size_t n, bool cidr, struct arena *a, struct value *ret)
{
    const unsigned char *p = (const unsigned char *)s;
    struct inet x = {.v6 = n > 0 && p[0] == FAMILY_V6};
    const char *what = cidr ? "cidr" : "inet";
    if (n < HEAD || (p[0] != FAMILY_V4 && p[0] != FAMILY_V6))
        return error_new(E_BAD_BINARY, "invalid address family in external \"%s\" value", what);
    if (p[1] > max_bits(&x))
        return error_new(E_BAD_BINARY, "invalid bits in external \"%s\" value", what);
    if (p[3] != n_bytes(&x) || n != HEAD + n_bytes(&x))
        return error_new(E_BAD_BINARY, "invalid length in external \"%s\" value", what);
    x.bits = p[1];
    memcpy(x.a, p + HEAD, n_bytes(&x));
    if (cidr && !is_network(&x))
        return error_detail(error_new(E_BAD_BINARY, "invalid external \"cidr\" value"),
                            "Value has bits set to right of mask.");
    *ret = text_of(&x, a);
    return NULL;
}

struct error *types__inet_recv(const char *s, size_t n, int32_t typmod, struct arena *a,
                               struct value *ret)
{
    return receive(s, n, false, a, ret);
}

struct error *types__cidr_recv(const char *s, size_t n, int32_t typmod, struct arena *a,
                               struct value *ret)
{
    return receive(s, n, true, a, ret);
}

static void transmit(const struct value *v, bool cidr, struct buf *out)
{
    struct inet x = stored(v);
    buf_put8(out, x.v6 ? FAMILY_V6 : FAMILY_V4);
    buf_put8(out, (uint8_t)x.bits);
    buf_put8(out, cidr);
    buf_put8(out, (uint8_t)n_bytes(&x));
    buf_append(out, x.a, n_bytes(&x));
}

void types__inet_send(const struct value *v, int32_t typmod, struct buf *out)
{
    transmit(v, false, out);
}

void types__cidr_send(const struct value *v, int32_t typmod, struct buf *out)
{
    transmit(v, true, out);
}

/* ---- order ---------------------------------------------------------------------------------- */

static int compare(const struct inet *x, const struct inet *y)
{
    if (x->v6 != y->v6)
        return x->v6 - y->v6;
    int shorter = MIN(x->bits, y->bits), order = memcmp(x->a, y->a, V6_BYTES);
    if (common_bits(x, y, shorter) < shorter)
        return order;
    return x->bits != y->bits ? x->bits - y->bits : order;
}

int types__inet_compare(const struct value *v, const struct value *w)
{
    struct inet x = stored(v), y = stored(w);
    return compare(&x, &y);
}

DEFINE_COMPARISONS(inet, types__inet_compare(&v[0], &v[1]))

/* ---- one within the other -------------------------------------------------------------------- */

/* Are the networks the same as far as the wider one goes? */
static bool overlap(const struct inet *x, const struct inet *y)
{
    int shorter = MIN(x->bits, y->bits);
    return x->v6 == y->v6 && common_bits(x, y, shorter) == shorter;
}

#define DEFINE_WITHIN(name, test)                                                                  \
    static CALL(name)                                                                              \
    {                                                                                              \
        struct inet x = stored(&v[0]), y = stored(&v[1]);                                          \
        *ret = value_int(overlap(&x, &y) && (test));                                               \
        return NULL;                                                                               \
    }

DEFINE_WITHIN(inet_sub, x.bits > y.bits)
DEFINE_WITHIN(inet_subeq, x.bits >= y.bits)
DEFINE_WITHIN(inet_sup, x.bits < y.bits)
DEFINE_WITHIN(inet_supeq, x.bits <= y.bits)
DEFINE_WITHIN(inet_overlap, true)

/* ---- arithmetic ----------------------------------------------------------------------------- */

static struct error *out_of_range(void)
{
    return error_new("22003", "result is out of range");
}

/* Adds `by` at the right end; the carry has to be that of the sign. */
static struct error *add(struct inet x, int64_t by, struct arena *a, struct value *ret)
{
    int64_t carry = 0;
    for (size_t i = n_bytes(&x); i-- > 0;) {
        carry += x.a[i] + (by & 0xff);
        x.a[i] = (unsigned char)carry;
        carry >>= 8;
        by >>= 8; /* keeps the sign */
    }
    bool fits = by == 0 ? carry == 0 : by == -1 && carry == 1;
    if (!fits)
        return out_of_range();
    *ret = text_of(&x, a);
    return NULL;
}

static CALL(inet_plus)
{
    return add(stored(&v[0]), v[1].i, a, ret);
}

static CALL(plus_inet)
{
    return add(stored(&v[1]), v[0].i, a, ret);
}

static CALL(inet_minus)
{
    if (v[1].i == INT64_MIN) /* as PostgreSQL: it stays what it is */
        return add(stored(&v[0]), v[1].i, a, ret);
    return add(stored(&v[0]), -v[1].i, a, ret);
}

static CALL(inet_distance)
{
    struct inet x = stored(&v[0]), y = stored(&v[1]);
    if (x.v6 != y.v6)
        return error_new("22023", "cannot subtract inet values of different sizes");
    uint64_t low = 0;
    int borrow = 0; /* what is left of it in the end counts for nothing, as in PostgreSQL */
    bool zeros = true, ones = true; /* of what is above 64 bits */
    for (size_t i = n_bytes(&x), at = 0; i-- > 0; at += 8) {
        int d = x.a[i] - y.a[i] - borrow;
        borrow = d < 0;
        unsigned byte = (unsigned)d & 0xff;
        if (at < 64) {
            low |= (uint64_t)byte << at;
        } else {
            zeros &= byte == 0;
            ones &= byte == 0xff;
        }
    }
    if (!x.v6 && borrow)
        low |= UINT64_C(0xffffffff) << 32;
    if (x.v6 && !(low >> 63 ? ones : zeros))
        return out_of_range();
    *ret = value_int((int64_t)low);
    return NULL;
}

static CALL(inet_not)
{
    struct inet x = stored(&v[0]);
    for (size_t i = 0; i < n_bytes(&x); i++)
        x.a[i] = (unsigned char)~x.a[i];
    *ret = text_of(&x, a);
    return NULL;
}

static struct error *bitwise(const struct value *v, bool and, struct arena *a, struct value *ret)
{
    struct inet x = stored(&v[0]), y = stored(&v[1]);
    if (x.v6 != y.v6)
        return error_new("22023", "cannot %s inet values of different sizes", and? "AND" : "OR");
    for (size_t i = 0; i < n_bytes(&x); i++)
        x.a[i] = (unsigned char)(and? x.a[i] & y.a[i] : x.a[i] | y.a[i]);
    x.bits = MAX(x.bits, y.bits);
    *ret = text_of(&x, a);
    return NULL;
}

static CALL(inet_and)
{
    return bitwise(v, true, a, ret);
}

static CALL(inet_or)
{
    return bitwise(v, false, a, ret);
}

/* ---- functions ------------------------------------------------------------------------------ */

static CALL(inet_host)
{
    const char *slash = memchr(v[0].s.p, '/', v[0].s.n);
    *ret = value_text(v[0].s.p, slash ? (size_t)(slash - v[0].s.p) : v[0].s.n);
    return NULL;
}

static CALL(inet_abbrev)
{
    *ret = value_text(v[0].s.p, shown_length(&v[0]));
    return NULL;
}

/* The words of an IPv6 network as far as it goes, at least two; the first of the longest runs of
 * zeros is left out. */
static void put_words(const struct inet *x, struct buf *out)
{
    int words = MAX((x->bits + 15) / 16, 2), from = 0, most = 0;
    unsigned w[8];
    for (int i = 0; i < words; i++)
        w[i] = (unsigned)x->a[2 * i] << 8 | x->a[2 * i + 1];
    for (int i = 0; i < words; i++) {
        int n = 0;
        while (i + n < words && !w[i + n])
            n++;
        if (n > most)
            from = i, most = n;
    }
    for (int i = 0; i < words; i++) {
        if (most && i == from) {
            buf_puts(out, from + most == words ? "::" : ":");
            i += most - 1;
        } else {
            buf_printf(out, "%s%x", i ? ":" : "", w[i]);
        }
    }
}

static CALL(cidr_abbrev)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct inet x = stored(&v[0]);
    int bytes = MAX((x.bits + 7) / 8, 1);
    char address[INET6_ADDRSTRLEN];
    if (x.v6 && x.bits <= 112) {
        put_words(&x, &text);
    } else if (x.v6) {
        put_address(&x, address);
        buf_puts(&text, address);
    }
    for (int i = 0; !x.v6 && i < bytes; i++)
        buf_printf(&text, "%s%d", i ? "." : "", x.a[i]);
    buf_printf(&text, "/%d", x.bits);
    *ret = types__text_of(a, &text);
    return NULL;
}

static CALL(inet_family)
{
    *ret = value_int(stored(&v[0]).v6 ? 6 : 4);
    return NULL;
}

static CALL(inet_masklen)
{
    *ret = value_int(stored(&v[0]).bits);
    return NULL;
}

static CALL(inet_same_family)
{
    *ret = value_int(stored(&v[0]).v6 == stored(&v[1]).v6);
    return NULL;
}

static CALL(inet_broadcast)
{
    struct inet x = stored(&v[0]);
    fill(&x, x.bits, true);
    *ret = text_of(&x, a);
    return NULL;
}

CALL(types__inet_network)
{
    struct inet x = stored(&v[0]);
    fill(&x, x.bits, false);
    *ret = text_of(&x, a);
    return NULL;
}

static struct error *mask(const struct value *v, bool host, struct arena *a, struct value *ret)
{
    struct inet x = stored(&v[0]);
    fill(&x, 0, !host);
    fill(&x, x.bits, host);
    x.bits = max_bits(&x);
    *ret = text_of(&x, a);
    return NULL;
}

static CALL(inet_netmask)
{
    return mask(v, false, a, ret);
}

static CALL(inet_hostmask)
{
    return mask(v, true, a, ret);
}

static struct error *set_masklen(const struct value *v, bool cidr, struct arena *a,
                                 struct value *ret)
{
    struct inet x = stored(&v[0]);
    int64_t bits = v[1].i == -1 ? max_bits(&x) : v[1].i;
    if (bits < 0 || bits > max_bits(&x))
        return error_new("22023", "invalid mask length: %lld", (long long)bits);
    x.bits = (int)bits;
    if (cidr)
        fill(&x, x.bits, false);
    *ret = text_of(&x, a);
    return NULL;
}

static CALL(inet_set_masklen)
{
    return set_masklen(v, false, a, ret);
}

static CALL(cidr_set_masklen)
{
    return set_masklen(v, true, a, ret);
}

static CALL(inet_merge)
{
    struct inet x = stored(&v[0]), y = stored(&v[1]);
    if (x.v6 != y.v6)
        return error_new("22023", "cannot merge addresses from different families");
    x.bits = common_bits(&x, &y, MIN(x.bits, y.bits));
    fill(&x, x.bits, false);
    *ret = text_of(&x, a);
    return NULL;
}

/* ---- rows ----------------------------------------------------------------------------------- */

#define N OID_INET
#define C OID_CIDR
#define T OID_TEXT
#define I4 OID_INT4
#define I8 OID_INT8
#define B OID_BOOL

#define COMPARE(op, fn) BINARY_EMIT(op, N, N, B, "($1 " op " $2 COLLATE minisql_inet)", fn)
#define BEST(n)                                                                                    \
    {                                                                                              \
        .name = n, .kind = FUNC_AGGREGATE, .nargs = 1, .args = {N}, .result = N, .strict = true,   \
        .emit = n "($1$C)"                                                                         \
    }

static const struct func rows[] = {
    COMPARE("=", inet_eq),
    COMPARE("<>", inet_ne),
    COMPARE("<", inet_lt),
    COMPARE("<=", inet_le),
    COMPARE(">", inet_gt),
    COMPARE(">=", inet_ge),
    BINARY("<<", N, N, B, "inet_sub", inet_sub),
    BINARY("<<=", N, N, B, "inet_subeq", inet_subeq),
    BINARY(">>", N, N, B, "inet_sup", inet_sup),
    BINARY(">>=", N, N, B, "inet_supeq", inet_supeq),
    BINARY("&&", N, N, B, "inet_overlap", inet_overlap),
    BINARY("+", N, I8, N, "inet_plus", inet_plus),
    BINARY("+", I8, N, N, "plus_inet", plus_inet),
    BINARY("-", N, I8, N, "inet_minus", inet_minus),
    BINARY("-", N, N, I8, "inet_distance", inet_distance),
    PREFIX("~", N, N, "inet_not", inet_not),
    BINARY("&", N, N, N, "inet_and", inet_and),
    BINARY("|", N, N, N, "inet_or", inet_or),
    BINARY_EMIT("||", N, T, T, "($1 || $2)", types__text_concat2), /* casts; concat() prints */
    BINARY_EMIT("||", T, N, T, "($1 || $2)", types__text_concat2),
    SCALAR1("abbrev", N, T, "inet_abbrev", inet_abbrev),
    SCALAR1("abbrev", C, T, "cidr_abbrev", cidr_abbrev),
    SCALAR1("broadcast", N, N, "inet_broadcast", inet_broadcast),
    SCALAR1("family", N, I4, "inet_family", inet_family),
    SCALAR1("host", N, T, "inet_host", inet_host),
    SCALAR1("hostmask", N, N, "inet_hostmask", inet_hostmask),
    SCALAR2("inet_merge", N, N, C, "inet_merge", inet_merge),
    SCALAR2("inet_same_family", N, N, B, "inet_same_family", inet_same_family),
    SCALAR1("masklen", N, I4, "inet_masklen", inet_masklen),
    SCALAR1("netmask", N, N, "inet_netmask", inet_netmask),
    SCALAR1("network", N, C, "inet_network", types__inet_network),
    SCALAR2("set_masklen", N, I4, N, "inet_set_masklen", inet_set_masklen),
    SCALAR2("set_masklen", C, I4, C, "cidr_set_masklen", cidr_set_masklen),
    BEST("min"),
    BEST("max"),
};

const struct func_rows types__inet_funcs = {rows, ARRAY_LEN(rows)};
