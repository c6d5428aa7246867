/*
 * Clients that do not speak UTF-8: what they send is recoded before anybody looks at it, what they
 * get just before it goes. Everything in between is UTF-8. s->encoding is NULL for those who do
 * speak it, which is all that they pay.
 *
 *   in:   texts of messages (recode__message), parameters and the fields of a binary COPY
 *         (recode__value), what COPY reads (copy.c, as it comes)
 *   out:  fields of rows (recode__tail), names of columns, what COPY writes, and whole messages:
 *         errors, notices, notifications, settings (recode__sent)
 *
 * A character that the client's encoding has not is an error in data, and a question mark in a
 * message. SQL_ASCII recodes nothing, as in PostgreSQL.
 */
#include "gateway/gateway_int.h"

static bool is_ascii(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && !((unsigned char)p[i] & 0x80))
        i++;
    return i == n;
}

/* ---- in ------------------------------------------------------------------------------------- */

/* Where a message has texts that end with a zero byte: how many, after some bytes. */
static const struct {
    char type;
    uint8_t skip, n;
} messages[] = {{'Q', 0, 1}, {'P', 0, 2}, {'B', 0, 2}, {'D', 1, 1},
                {'C', 1, 1}, {'E', 0, 1}, {'f', 0, 1}};

struct error *recode__message(const struct session *s, struct pgwire_frame *f)
{
    size_t i = 0, skip, end;
    while (i < ARRAY_LEN(messages) && messages[i].type != f->type)
        i++;
    if (i == ARRAY_LEN(messages) || f->len < messages[i].skip)
        return NULL;
    skip = end = messages[i].skip;
    for (int n = messages[i].n; n > 0; n--) {
        const char *zero = memchr(f->body + end, 0, f->len - end);
        if (!zero)
            return NULL; /* malformed: whoever decodes it says so */
        end = (size_t)(zero - f->body) + 1;
    }
    if (is_ascii(f->body + skip, end - skip))
        return NULL;
    _cleanup_(buf_done) struct buf text = {0};
    buf_append(&text, f->body, skip);
    TRY(encoding_to_utf8(s->encoding, f->body + skip, end - skip, NULL, &text));
    buf_append(&text, f->body + end, f->len - end);
    char *body = arena_alloc(&s->worker->arena, text.len + 1);
    f->body = memcpy(body, text.data, text.len);
    f->len = text.len;
    return NULL;
}

/* Of a type in this format: is it text, are its items, is there text somewhere within it? In
 * binary, what has text in it has its length before it. */
enum content { CONTENT_PLAIN, CONTENT_TEXT, CONTENT_ITEMS, CONTENT_MIXED };

static enum content content_of(const struct type *t, int16_t format)
{
    if (!format || strchr("SEX", t->category) || t->oid == OID_JSON || t->oid == OID_JSONB)
        return CONTENT_TEXT;
    if (t->category == 'A' && t->element) {
        enum content items = content_of(type_by_oid(t->element), 1);
        return items == CONTENT_TEXT ? CONTENT_ITEMS : items;
    }
    return strchr("BDGINRTV", t->category) || t->oid == OID_BYTEA || t->oid == OID_UUID
               ? CONTENT_PLAIN
               : CONTENT_MIXED;
}

static struct error *mixed(const struct encoding *e, const struct type *t)
{
    return error_hint(error_new(E_UNSUPPORTED,
                                "binary values of type %s in the encoding %s are not supported",
                                t->sql_name, encoding_name(e)),
                      "Use the text format, or UTF8.");
}

/* An array in binary: how many dimensions, whether there are nulls, the items' type, of each
 * dimension its length and lower bound; then each item's length (-1: NULL) and text. What is
 * malformed goes as it is: whoever reads it says so. `to`: to UTF-8, or from it. */
static struct error *recode_items(const struct encoding *e, bool to, const char *p, size_t n,
                                  struct buf *out)
{
    enum { HEAD = 12, DIMENSION = 8, MAX_DIMENSIONS = 6 };
    struct reader in = reader_of(p, n);
    uint32_t n_dimensions = read32(&in);
    size_t from = out->len;
    if (n_dimensions > MAX_DIMENSIONS || n < HEAD + DIMENSION * n_dimensions) {
        buf_append(out, p, n);
        return NULL;
    }
    in = reader_of(p + HEAD + DIMENSION * n_dimensions, n - HEAD - DIMENSION * n_dimensions);
    buf_append(out, p, n - reader_left(&in));
    while (reader_left(&in)) {
        uint32_t len = read32(&in);
        size_t at = out->len;
        buf_put32(out, len);
        const char *item = len == UINT32_MAX ? "" : read_bytes(&in, len);
        if (!reader_ok(&in)) {
            out->len = from;
            buf_append(out, p, n);
            return NULL;
        }
        if (len == UINT32_MAX)
            continue;
        TRY(to ? encoding_to_utf8(e, item, len, NULL, out)
               : encoding_from_utf8(e, item, len, false, out));
        pgwire_set32(out, at, (uint32_t)(out->len - at - 4));
    }
    return NULL;
}

struct error *recode__value(const struct encoding *e, const struct type *t, int16_t format,
                            struct arena *a, const char **p, size_t *n)
{
    if (!e || !*p)
        return NULL;
    enum content content = content_of(t, format);
    if (content == CONTENT_MIXED)
        return mixed(e, t);
    if (content == CONTENT_PLAIN || is_ascii(*p, *n))
        return NULL;
    _cleanup_(buf_done) struct buf text = {0};
    TRY(content == CONTENT_ITEMS ? recode_items(e, true, *p, *n, &text)
                                 : encoding_to_utf8(e, *p, *n, NULL, &text));
    *p = memcpy(arena_alloc(a, text.len + 1), text.data, text.len);
    *n = text.len;
    return NULL;
}

/* ---- out ------------------------------------------------------------------------------------ */

static struct error *recode(const struct encoding *e, struct buf *b, size_t from, bool lossy)
{
    if (is_ascii(b->data + from, b->len - from))
        return NULL;
    _cleanup_(buf_done) struct buf text = {0};
    TRY(encoding_from_utf8(e, b->data + from, b->len - from, lossy, &text));
    b->len = from;
    buf_append(b, text.data, text.len);
    return NULL;
}

struct error *recode__tail(const struct encoding *e, struct buf *b, size_t from)
{
    return e && b->len > from ? recode(e, b, from, false) : NULL;
}

struct error *recode__field(const struct encoding *e, const struct type *t, int16_t format,
                            struct buf *b, size_t from)
{
    enum content content = content_of(t, format);
    if (content == CONTENT_MIXED)
        return mixed(e, t);
    if (content != CONTENT_ITEMS)
        return content == CONTENT_PLAIN ? NULL : recode__tail(e, b, from);
    _cleanup_(buf_done) struct buf array = {0};
    TRY(recode_items(e, false, b->data + from, b->len - from, &array));
    b->len = from;
    buf_append(b, array.data, array.len);
    return NULL;
}

const char *recode__name(const struct session *s, const char *name)
{
    _cleanup_(buf_done) struct buf text = {0};
    size_t n = strlen(name);
    if (!s->encoding || is_ascii(name, n))
        return name;
    error_free(encoding_from_utf8(s->encoding, name, n, true, &text));
    return arena_strndup(&s->worker->arena, text.data, text.len);
}

/* Each is a type, the length of what follows, and texts that end with zero bytes. */
void recode__sent(struct session *s, size_t from)
{
    enum { HEAD = 5 };
    struct buf *out = &s->out;
    if (!s->encoding || from == out->len || is_ascii(out->data + from, out->len - from))
        return;
    _cleanup_(buf_done) struct buf all = {0};
    for (size_t at = from; at + HEAD <= out->len;) {
        struct reader in = reader_of(out->data + at + 1, 4);
        size_t len = read32(&in), to = all.len;
        buf_append(&all, out->data + at, HEAD);
        buf_append(&all, out->data + at + HEAD, len - 4);
        error_free(recode(s->encoding, &all, to + HEAD, true));
        pgwire_end(&all, to + 1);
        at += 1 + len;
    }
    out->len = from;
    buf_append(out, all.data, all.len);
}
