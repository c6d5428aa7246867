/*
 * uuid: kept as its 36 characters in lower case, so that files are readable and SQLite's order of
 * texts is that of the 16 bytes: the dashes stand at the same places in all of them.
 */
#include "types/types_int.h"

#include <ctype.h>
#include <errno.h>
#include <sys/random.h>

enum { UUID_BYTES = 16, UUID_CHARS = 36 };

static struct value uuid_of(const unsigned char *bytes, struct arena *a)
{
    static const char digits[] = "0123456789abcdef";
    char *p = arena_alloc(a, UUID_CHARS), *at = p;
    for (int i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    return value_text(p, UUID_CHARS);
}

static int digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* 32 digits, a dash allowed after each group of four, the whole in braces or not. */
static bool read_digits(const char *s, size_t n, unsigned char *bytes)
{
    if (n >= 2 && s[0] == '{') {
        if (s[n - 1] != '}')
            return false;
        s++, n -= 2;
    }
    const char *end = s + n;
    for (int i = 0; i < UUID_BYTES; i++) {
        if (end - s < 2 || !isxdigit((unsigned char)s[0]) || !isxdigit((unsigned char)s[1]))
            return false;
        bytes[i] = (unsigned char)(digit(s[0]) << 4 | digit(s[1]));
        s += 2;
        if (s < end && *s == '-' && i % 2 == 1 && i < UUID_BYTES - 1)
            s++;
    }
    return s == end;
}

struct error *types__uuid_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                struct value *ret)
{
    (void)typmod;
    unsigned char bytes[UUID_BYTES];
    if (!read_digits(s, n, bytes))
        return error_new(E_BAD_TEXT, "invalid input syntax for type uuid: \"%.*s\"",
                         (int)MIN(n, 1000), s);
    *ret = uuid_of(bytes, a);
    return NULL;
}

struct error *types__uuid_recv(const char *s, size_t n, int32_t typmod, struct arena *a,
                               struct value *ret)
{
    (void)typmod;
    if (n != UUID_BYTES)
        return error_new(E_BAD_BINARY, "incorrect binary data format");
    *ret = uuid_of((const unsigned char *)s, a);
    return NULL;
}

void types__uuid_send(const struct value *v, int32_t typmod, struct buf *out)
{
    (void)typmod;
    unsigned char bytes[UUID_BYTES] = {0};
    read_digits(v->s.p, v->s.n, bytes);
    buf_append(out, bytes, sizeof(bytes));
}

void types__uuid_stamp(unsigned char *bytes, unsigned version)
{
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | version << 4);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
}

struct error *types__random(void *p, size_t n)
{
    if (getrandom(p, n, 0) != (ssize_t)n)
        return error_errno(E_INTERNAL, errno, "could not generate random values");
    return NULL;
}

static CALL(uuid_random)
{
    unsigned char bytes[UUID_BYTES];
    TRY(types__random(bytes, sizeof(bytes)));
    types__uuid_stamp(bytes, 4);
    *ret = uuid_of(bytes, a);
    return NULL;
}

#define RANDOM(n, sql)                                                                             \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .result = OID_UUID, .volatile_ = true, .sqlite_name = sql, \
        .call = uuid_random                                                                        \
    }

static const struct func rows[] = {
    RANDOM("gen_random_uuid", "uuid_random"),
    RANDOM("uuid_generate_v4", "uuid_random"), /* of the extension uuid-ossp */
};

const struct func_rows types__uuid_funcs = {rows, ARRAY_LEN(rows)};
