/* Is it UTF-8 as PostgreSQL means it: no overlong forms, no surrogates, nothing above U+10FFFF, no
 * zero byte. */
#include "pgwire/pgwire.h"

/* Length of the valid sequence at p (which is no plain ASCII), or 0. */
static size_t sequence(const unsigned char *p, size_t n)
{
    unsigned char c = p[0];
    size_t len = c >= 0xc2 && c <= 0xdf   ? 2
                 : c >= 0xe0 && c <= 0xef ? 3
                 : c >= 0xf0 && c <= 0xf4 ? 4
                                          : 0;
    if (len == 0 || n < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) || (c == 0xf0 && p[1] < 0x90) ||
        (c == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

/* PostgreSQL shows as many bytes as the first one announces. */
static struct error *invalid(const unsigned char *p, size_t n)
{
    size_t want = p[0] < 0xc0 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf8 ? 4 : 1;
    _cleanup_(buf_done) struct buf hex = {0};
    for (size_t i = 0; i < MIN(want, n); i++)
        buf_printf(&hex, "%s0x%02x", i ? " " : "", p[i]);
    return error_new("22021", "invalid byte sequence for encoding \"UTF8\": %s", hex.data);
}

/* Eight bytes at once: none is zero, none has its high bit set. */
static bool plain8(const unsigned char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return !((v | (v - 0x0101010101010101ull)) & 0x8080808080808080ull);
}

struct error *pgwire_check_utf8(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;
    while (n) {
        if (n >= 8 && plain8(p)) {
            p += 8;
            n -= 8;
        } else if (*p && *p < 0x80) {
            p++;
            n--;
        } else {
            size_t len = *p ? sequence(p, n) : 0;
            if (!len)
                return invalid(p, n);
            p += len;
            n -= len;
        }
    }
    return NULL;
}

void pgwire_put_utf8(struct buf *b, const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    for (size_t n = strlen(s); n > 0;) {
        size_t len = *p < 0x80 ? 1 : sequence(p, n);
        buf_append(b, p, len);
        len = MAX(len, 1);
        p += len;
        n -= len;
    }
}
