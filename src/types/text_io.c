/* UTF-8, and fitting text to char(n) and varchar(n). Lengths count characters, not bytes. */
#include "types/types_int.h"

struct value types__text_of(struct arena *a, const struct buf *b)
{
    return value_text(b->len ? arena_strndup(a, b->data, b->len) : "", b->len);
}

/* Bytes of a well-formed character at s, 0 if it is not one (RFC 3629). */
static size_t utf8_sequence(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80)
        return s[0] != 0;
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return len;
}

static struct error *utf8_error(const unsigned char *s, size_t n)
{
    size_t len = s[0] >= 0xf8 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc0 ? 2 : 1;
    struct buf bytes = {0};
    for (size_t i = 0; i < MIN(len, n); i++)
        buf_printf(&bytes, "%s0x%02x", i ? " " : "", s[i]);
    struct error *e =
        error_new("22021", "invalid byte sequence for encoding \"UTF8\": %s", bytes.data);
    buf_done(&bytes);
    return e;
}

struct error *types__utf8_check(const char *text, size_t n)
{
    if (n > TEXT_MAX_BYTES)
        return error_new("54000", "a text of %zu bytes is longer than the limit of %d", n,
                         TEXT_MAX_BYTES);
    const unsigned char *s = (const unsigned char *)text, *end = s + n;
    while (s < end) {
        uint64_t word;
        /* eight ASCII bytes at a time: no high bit, no zero byte */
        if (end - s >= 8 && (memcpy(&word, s, 8), (word & 0x8080808080808080U) == 0) &&
            ((word - 0x0101010101010101U) & 0x8080808080808080U) == 0) {
            s += 8;
            continue;
        }
        size_t len = utf8_sequence(s, (size_t)(end - s));
        if (!len)
            return utf8_error(s, (size_t)(end - s));
        s += len;
    }
    return NULL;
}

size_t types__utf8_decode(const char *s, size_t n, uint32_t *ret)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t len = p[0] < 0xc0 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    len = MIN(len, n);
    uint32_t c = len == 1 ? p[0] : p[0] & (0x7fU >> len);
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (p[i] & 0x3f);
    *ret = c;
    return len;
}

void types__utf8_encode(uint32_t c, struct buf *out)
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    char bytes[4];
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1; c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3f));
    bytes[0] = (char)(lead[len] | c);
    buf_append(out, bytes, len);
}

size_t types__utf8_length(const char *s, size_t n)
{
    size_t chars = 0;
    for (size_t i = 0; i < n; i++)
        chars += (s[i] & 0xc0) != 0x80;
    return chars;
}

size_t types__utf8_prefix(const char *s, size_t n, size_t chars)
{
    if (chars >= n)
        return n;
    size_t i = 0;
    for (; i < n; i++)
        if ((s[i] & 0xc0) != 0x80 && chars-- == 0)
            break;
    return i;
}

size_t types__rtrim_blanks(const char *s, size_t n)
{
    while (n && s[n - 1] == ' ')
        n--;
    return n;
}

static struct error *too_long(const char *type, size_t limit)
{
    return error_new(E_STRING_TOO_LONG, "value too long for type %s(%zu)", type, limit);
}

struct error *types__varchar_fit(struct value *v, int32_t typmod, bool strict)
{
    if (typmod < 4 || v->s.n <= (size_t)typmod - 4)
        return NULL;
    size_t limit = (size_t)typmod - 4, keep = types__utf8_prefix(v->s.p, v->s.n, limit);
    if (strict && types__rtrim_blanks(v->s.p, v->s.n) > keep)
        return too_long("character varying", limit);
    v->s.n = keep;
    return NULL;
}

/* Blanks up to the length, which a char(n) has wherever it is a value. */
static struct value padded(const struct value *v, size_t blanks, struct arena *a)
{
    char *p = arena_alloc(a, v->s.n + blanks);
    memcpy(p, v->s.p, v->s.n);
    memset(p + v->s.n, ' ', blanks);
    return value_text(p, v->s.n + blanks);
}

struct error *types__bpchar_fit(struct value *v, int32_t typmod, bool strict, struct arena *a)
{
    if (typmod < 4)
        return NULL;
    size_t limit = (size_t)typmod - 4, keep = types__utf8_prefix(v->s.p, v->s.n, limit);
    if (keep == v->s.n) {
        size_t have = types__utf8_length(v->s.p, v->s.n);
        if (have < limit)
            *v = padded(v, limit - have, a);
        return NULL;
    }
    if (strict && types__rtrim_blanks(v->s.p, v->s.n) > keep)
        return too_long("character", limit);
    v->s.n = keep;
    return NULL;
}

int types__bpchar_compare(const struct value *x, const struct value *y)
{
    size_t n = types__rtrim_blanks(x->s.p, x->s.n), m = types__rtrim_blanks(y->s.p, y->s.n);
    int order = memcmp(x->s.p, y->s.p, MIN(n, m));
    return order ? order : (n > m) - (n < m);
}
