/* Byte buffers, and a reader for bytes that may be garbage. */
#include "base/base.h"

#include <endian.h>
#include <stdio.h>

void buf_reserve(struct buf *b, size_t more)
{
    size_t need = b->len + more + 1;
    if (need <= b->cap)
        return;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need)
        cap *= 2;
    b->data = mem_realloc(b->data, cap);
    b->cap = cap;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
    buf_reserve(b, len);
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = 0;
}

void buf_puts(struct buf *b, const char *s)
{
    buf_append(b, s, strlen(s));
}

void buf_vprintf(struct buf *b, const char *format, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    buf_reserve(b, (size_t)n);
    vsnprintf(b->data + b->len, (size_t)n + 1, format, ap);
    b->len += (size_t)n;
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    buf_vprintf(b, format, ap);
    va_end(ap);
}

void buf_put8(struct buf *b, uint8_t v)
{
    buf_append(b, &v, 1);
}

void buf_put16(struct buf *b, uint16_t v)
{
    v = htobe16(v);
    buf_append(b, &v, 2);
}

void buf_put32(struct buf *b, uint32_t v)
{
    v = htobe32(v);
    buf_append(b, &v, 4);
}

void buf_put64(struct buf *b, uint64_t v)
{
    v = htobe64(v);
    buf_append(b, &v, 8);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = 0;
}

void buf_done(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){0};
}

struct reader reader_of(const void *data, size_t len)
{
    return (struct reader){.p = data, .end = len ? (const char *)data + len : data};
}

size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->p);
}

const char *read_bytes(struct reader *r, size_t len)
{
    if (reader_left(r) < len) {
        r->failed = true;
        r->p = r->end;
        return NULL;
    }
    const char *p = r->p;
    r->p += len;
    return p;
}

const char *read_cstring(struct reader *r)
{
    const char *zero = reader_left(r) ? memchr(r->p, 0, reader_left(r)) : NULL;
    if (!zero) {
        r->failed = true;
        r->p = r->end;
        return NULL;
    }
    const char *s = r->p;
    r->p = zero + 1;
    return s;
}

uint8_t read8(struct reader *r)
{
    const char *p = read_bytes(r, 1);
    return p ? (uint8_t)*p : 0;
}

#define READ(bits)                                                                                 \
    uint##bits##_t read##bits(struct reader *r)                                                    \
    {                                                                                              \
        uint##bits##_t v = 0;                                                                      \
        const char *p = read_bytes(r, sizeof(v));                                                  \
        if (p)                                                                                     \
            memcpy(&v, p, sizeof(v));                                                              \
        return be##bits##toh(v);                                                                   \
    }
READ(16)
READ(32)
READ(64)

bool reader_ok(const struct reader *r)
{
    return !r->failed;
}
