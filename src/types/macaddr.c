/*
 * macaddr and macaddr8: six or eight bytes. Both are kept as the text that PostgreSQL prints
 * ("08:00:2b:01:02:03"), whose order is theirs.
 */
#include "types/types_int.h"

#include <ctype.h>
#include <stdio.h>

enum { MAC = 6, MAC8 = 8 };

static struct value text_of(const unsigned char *b, size_t n, struct arena *a)
{
    char *p = arena_alloc(a, 3 * n + 1);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 3; k++)
            p[3 * i + (size_t)k] = k == 2 ? ':' : "0123456789abcdef"[b[i] >> (4 - 4 * k) & 15];
    return value_text(p, 3 * n - 1);
}

static int digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static void bytes_of(const struct value *v, size_t n, unsigned char *ret)
{
    memset(ret, 0, n);
    for (size_t i = 0; i < n && 3 * i + 1 < v->s.n; i++) { /* the files may have been edited */
        int byte = digit(v->s.p[3 * i]) << 4 | digit(v->s.p[3 * i + 1]);
        ret[i] = (unsigned char)byte;
    }
}

static struct error *bad_text(const char *s, size_t n, size_t bytes)
{
    return error_new(E_BAD_TEXT, "invalid input syntax for type %s: \"%.*s\"",
                     bytes == MAC ? "macaddr" : "macaddr8", (int)MIN(n, 1000), s);
}

/* scanf's own reading of each form, with all that it lets pass: blanks, 0x, one digit for two. A
 * seventh item is garbage behind the six. */
struct error *types__macaddr_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                   struct value *ret)
{
    static const char *const forms[] = {
        "%x:%x:%x:%x:%x:%x%1s",   "%x-%x-%x-%x-%x-%x%1s",    "%2x%2x%2x:%2x%2x%2x%1s",
        "%2x%2x%2x-%2x%2x%2x%1s", "%2x%2x.%2x%2x.%2x%2x%1s", "%2x%2x-%2x%2x-%2x%2x%1s",
        "%2x%2x%2x%2x%2x%2x%1s",
    };
    const char *text = arena_strndup(a, s, n);
    unsigned x[MAC] = {0};
    unsigned char b[MAC];
    char junk[2];
    int found = 0;
    for (size_t i = 0; i < ARRAY_LEN(forms) && found != MAC; i++)
        found = sscanf(text, forms[i], &x[0], &x[1], &x[2], &x[3], &x[4], &x[5], junk);
    if (found != MAC)
        return bad_text(s, n, MAC);
    for (int i = 0; i < MAC; i++) {
        if (x[i] > 255)
            return error_new(E_OUT_OF_RANGE, "invalid octet value in \"macaddr\" value: \"%.*s\"",
                             (int)MIN(n, 1000), s);
        b[i] = (unsigned char)x[i];
    }
    *ret = text_of(b, MAC, a);
    return NULL;
}

static void widen(unsigned char b[MAC8])
{
    memmove(b + 5, b + 3, 3);
    b[3] = 0xff;
    b[4] = 0xfe;
}

/* Pairs of digits, and one kind of mark between any of them; six bytes are put into eight. What is
 * left of a pair at the end is not looked at, as PostgreSQL does not. */
struct error *types__macaddr8_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                    struct value *ret)
{
    unsigned char b[MAC8];
    const char *p = s, *end = s + n;
    size_t count = 0;
    char mark = 0;
    while (p < end && isspace((unsigned char)*p))
        p++;
    while (p + 1 < end) {
        if (count == MAC8 || !isxdigit((unsigned char)p[0]) || !isxdigit((unsigned char)p[1]))
            return bad_text(s, n, MAC8);
        b[count++] = (unsigned char)(digit(p[0]) << 4 | digit(p[1]));
        p += 2;
        if (p < end && *p && strchr(":-.", *p)) {
            if (mark && *p != mark)
                return bad_text(s, n, MAC8);
            mark = *p++;
        }
        if ((count != MAC && count != MAC8) || p == end || !isspace((unsigned char)*p))
            continue;
        while (p < end && isspace((unsigned char)*p))
            p++;
        if (p < end)
            return bad_text(s, n, MAC8);
    }
    if (count != MAC && count != MAC8)
        return bad_text(s, n, MAC8);
    if (count == MAC)
        widen(b);
    *ret = text_of(b, MAC8, a);
    return NULL;
}

struct error *types__macaddr_recv(const char *s, size_t n, int32_t typmod, struct arena *a,
                                  struct value *ret)
{
    if (n != MAC)
        return error_new(E_BAD_BINARY, "incorrect binary data format");
    *ret = text_of((const unsigned char *)s, MAC, a);
    return NULL;
}

struct error *types__macaddr8_recv(const char *s, size_t n, int32_t typmod, struct arena *a,
                                   struct value *ret)
{
    unsigned char b[MAC8];
    if (n != MAC && n != MAC8)
        return error_new(E_BAD_BINARY, "incorrect binary data format");
    memcpy(b, s, n);
    if (n == MAC)
        widen(b);
    *ret = text_of(b, MAC8, a);
    return NULL;
}

void types__macaddr_send(const struct value *v, int32_t typmod, struct buf *out)
{
    unsigned char b[MAC8];
    size_t n = v->s.n > 3 * MAC ? MAC8 : MAC;
    bytes_of(v, n, b);
    buf_append(out, b, n);
}

/* ---- operators and functions ----------------------------------------------------------------- */

static struct error *combine(const struct value *v, char op, struct arena *a, struct value *ret)
{
    unsigned char x[MAC8], y[MAC8];
    size_t n = v->s.n > 3 * MAC ? MAC8 : MAC;
    bytes_of(&v[0], n, x);
    if (op != '~')
        bytes_of(&v[1], n, y);
    for (size_t i = 0; i < n; i++)
        x[i] = (unsigned char)(op == '~' ? ~x[i] : op == '&' ? x[i] & y[i] : x[i] | y[i]);
    *ret = text_of(x, n, a);
    return NULL;
}

static CALL(mac_not)
{
    return combine(v, '~', a, ret);
}

static CALL(mac_and)
{
    return combine(v, '&', a, ret);
}

static CALL(mac_or)
{
    return combine(v, '|', a, ret);
}

/* The maker alone */
static CALL(mac_trunc)
{
    unsigned char b[MAC8];
    size_t n_bytes = v->s.n > 3 * MAC ? MAC8 : MAC;
    bytes_of(v, n_bytes, b);
    memset(b + 3, 0, n_bytes - 3);
    *ret = text_of(b, n_bytes, a);
    return NULL;
}

static CALL(mac8_set7bit)
{
    unsigned char b[MAC8];
    bytes_of(v, MAC8, b);
    b[0] |= 2;
    *ret = text_of(b, MAC8, a);
    return NULL;
}

CALL(types__macaddr_to_8)
{
    unsigned char b[MAC8];
    bytes_of(v, MAC, b);
    widen(b);
    *ret = text_of(b, MAC8, a);
    return NULL;
}

CALL(types__macaddr8_to_6)
{
    unsigned char b[MAC8];
    bytes_of(v, MAC8, b);
    if (b[3] != 0xff || b[4] != 0xfe)
        return error_hint(
            error_new(E_OUT_OF_RANGE, "macaddr8 data out of range to convert to macaddr"),
            "Only addresses that have FF and FE as values in the 4th and 5th bytes from the left, "
            "for example xx:xx:xx:ff:fe:xx:xx:xx, are eligible to be converted from macaddr8 to "
            "macaddr.");
    memmove(b + 3, b + 5, 3);
    *ret = text_of(b, MAC, a);
    return NULL;
}

#define EACH(type)                                                                                 \
    PREFIX("~", type, type, "mac_not", mac_not),                                                   \
        BINARY("&", type, type, type, "mac_and", mac_and),                                         \
        BINARY("|", type, type, type, "mac_or", mac_or),                                           \
        SCALAR1("trunc", type, type, "mac_trunc", mac_trunc)

static const struct func rows[] = {
    EACH(OID_MACADDR),
    EACH(OID_MACADDR8),
    SCALAR1("macaddr8_set7bit", OID_MACADDR8, OID_MACADDR8, "macaddr8_set7bit", mac8_set7bit),
};

const struct func_rows types__macaddr_funcs = {rows, ARRAY_LEN(rows)};
