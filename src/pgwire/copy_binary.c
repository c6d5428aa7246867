/*
 * COPY FROM, binary: a signature, flags and a header extension; then for each row a 16-bit number
 * of fields, for each field a 32-bit length (-1: null) and bytes; a number of -1 ends it. Integers
 * are in network order.
 */
#include "pgwire/pgwire_int.h"

static const char signature[11] = "PGCOPY\n\377\r\n";

static struct error *corrupt(const char *what)
{
    return error_new("22P04", "%s", what);
}

/* Keeps the bytes of an unfinished header or row for the next chunk. */
static struct error *wait_for_more(struct pgwire_copy *c, enum pgwire_copy_step *ret_step)
{
    if (c->finishing)
        return corrupt(c->started ? "unexpected EOF in COPY data"
                                  : "COPY file signature not recognized");
    size_t rest = c->len - c->start;
    if (rest > PGWIRE_MAX_MESSAGE)
        return error_new("54000", "a row of COPY data is larger than 1 GB");
    if (c->data && c->data == c->hold.data) {
        memmove(c->hold.data, c->hold.data + c->start, rest);
        c->hold.len = rest;
    } else {
        buf_clear(&c->hold);
        buf_append(&c->hold, c->data + c->start, rest);
    }
    c->start = c->pos = 0;
    c->data = c->hold.data;
    c->len = c->hold.len;
    *ret_step = PGWIRE_COPY_MORE;
    return NULL;
}

/* *ret_whole false: not all of it is here yet. */
static struct error *read_header(struct pgwire_copy *c, bool *ret_whole)
{
    struct reader r = reader_of(c->data + c->start, c->len - c->start);
    *ret_whole = false;
    const char *magic = read_bytes(&r, sizeof(signature));
    if (!magic)
        return NULL;
    if (memcmp(magic, signature, sizeof(signature)) != 0)
        return corrupt("COPY file signature not recognized");
    uint32_t flags = read32(&r);
    uint32_t extension = read32(&r);
    if (!reader_ok(&r))
        return NULL;
    if (flags & 0xffff0000u)
        return corrupt("unrecognized critical flags in COPY file header");
    if (extension > PGWIRE_MAX_MESSAGE)
        return corrupt("invalid COPY file header (wrong length)");
    if (!read_bytes(&r, extension))
        return NULL;
    c->start = c->pos = (size_t)(r.p - c->data);
    c->started = *ret_whole = true;
    return NULL;
}

static struct error *read_row(struct pgwire_copy *c, bool *ret_whole)
{
    struct reader r = reader_of(c->data + c->start, c->len - c->start);
    *ret_whole = false;
    int16_t n = (int16_t)read16(&r);
    if (!reader_ok(&r))
        return NULL;
    if (n == -1) {
        c->ended = *ret_whole = true;
        c->start = c->pos = (size_t)(r.p - c->data);
        return NULL;
    }
    if (n < 0 || n != c->max_fields)
        return error_new("22P04", "row field count is %d, expected %d", n, c->max_fields);
    for (int i = 0; i < n; i++) {
        int32_t len = (int32_t)read32(&r);
        if (!reader_ok(&r))
            return NULL;
        if (len < -1)
            return corrupt("invalid field size");
        c->fields[i] = (struct pgwire_copy_field){NULL, 0};
        if (len == -1)
            continue;
        c->fields[i] = (struct pgwire_copy_field){read_bytes(&r, (size_t)len), (size_t)len};
        if (!c->fields[i].p)
            return NULL;
    }
    c->n = n;
    c->start = c->pos = (size_t)(r.p - c->data);
    *ret_whole = true;
    return NULL;
}

struct error *pgwire__copy_next_binary(struct pgwire_copy *c, enum pgwire_copy_step *ret_step,
                                       struct pgwire_copy_row *ret)
{
    bool whole = true;
    if (!c->started && !c->ended)
        TRY(read_header(c, &whole));
    if (!whole)
        return wait_for_more(c, ret_step);
    if (!c->ended && c->finishing && c->start == c->len) /* no trailer: libpq's \copy allows it */
        c->ended = true;
    if (!c->ended) {
        TRY(read_row(c, &whole));
        if (!whole)
            return wait_for_more(c, ret_step);
    }
    if (c->ended) {
        if (c->start < c->len)
            return corrupt("received copy data after EOF marker");
        buf_clear(&c->hold);
        c->start = c->pos = c->len;
        *ret_step = c->finishing ? PGWIRE_COPY_END : PGWIRE_COPY_MORE;
        return NULL;
    }
    c->line++;
    *ret_step = PGWIRE_COPY_ROW;
    *ret = (struct pgwire_copy_row){.n = c->n, .fields = c->fields, .line = c->line};
    return NULL;
}
