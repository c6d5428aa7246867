/* What the server sends, as bytes appended to an output buffer. */
#include "pgwire/pgwire.h"

#include <stdio.h>

static void put_cstring(struct buf *b, const char *s)
{
    buf_append(b, s, strlen(s) + 1);
}

void pgwire_put_plain(struct buf *b, enum pgwire_plain type)
{
    pgwire_end(b, pgwire_begin(b, (char)type));
}

void pgwire_put_auth_ok(struct buf *b)
{
    size_t at = pgwire_begin(b, 'R');
    buf_put32(b, 0);
    pgwire_end(b, at);
}

void pgwire_put_negotiate(struct buf *b, uint32_t minor, const char *const *options, int n)
{
    size_t at = pgwire_begin(b, 'v');
    buf_put32(b, minor);
    buf_put32(b, (uint32_t)n);
    for (int i = 0; i < n; i++)
        put_cstring(b, options[i]);
    pgwire_end(b, at);
}

void pgwire_put_parameter(struct buf *b, const char *name, const char *value)
{
    size_t at = pgwire_begin(b, 'S');
    put_cstring(b, name);
    put_cstring(b, value);
    pgwire_end(b, at);
}

void pgwire_put_key(struct buf *b, uint32_t pid, uint32_t secret)
{
    size_t at = pgwire_begin(b, 'K');
    buf_put32(b, pid);
    buf_put32(b, secret);
    pgwire_end(b, at);
}

void pgwire_put_notification(struct buf *b, uint32_t pid, const char *channel, const char *payload)
{
    size_t at = pgwire_begin(b, 'A');
    buf_put32(b, pid);
    put_cstring(b, channel);
    put_cstring(b, payload);
    pgwire_end(b, at);
}

void pgwire_put_ready(struct buf *b, char txn_state)
{
    size_t at = pgwire_begin(b, 'Z');
    buf_put8(b, (uint8_t)txn_state);
    pgwire_end(b, at);
}

void pgwire_put_complete(struct buf *b, const char *tag)
{
    size_t at = pgwire_begin(b, 'C');
    put_cstring(b, tag);
    pgwire_end(b, at);
}

void pgwire_put_param_types(struct buf *b, const uint32_t *types, int n)
{
    size_t at = pgwire_begin(b, 't');
    buf_put16(b, (uint16_t)n);
    for (int i = 0; i < n; i++)
        buf_put32(b, types[i]);
    pgwire_end(b, at);
}

size_t pgwire_begin_columns(struct buf *b, int n)
{
    size_t at = pgwire_begin(b, 'T');
    buf_put16(b, (uint16_t)n);
    return at;
}

void pgwire_put_column(struct buf *b, const struct pgwire_column *c)
{
    put_cstring(b, c->name);
    buf_put32(b, c->table);
    buf_put16(b, (uint16_t)c->number);
    buf_put32(b, c->type);
    buf_put16(b, (uint16_t)c->size);
    buf_put32(b, (uint32_t)c->typmod);
    buf_put16(b, (uint16_t)c->format);
}

void pgwire_put_copy_answer(struct buf *b, enum pgwire_copy_answer kind, int16_t format, int n)
{
    size_t at = pgwire_begin(b, (char)kind);
    buf_put8(b, (uint8_t)format);
    buf_put16(b, (uint16_t)n);
    for (int i = 0; i < n; i++)
        buf_put16(b, (uint16_t)format);
    pgwire_end(b, at);
}

void pgwire_put_copy_data(struct buf *b, const void *data, size_t len)
{
    size_t at = pgwire_begin(b, 'd');
    buf_append(b, data, len);
    pgwire_end(b, at);
}

static void put_field(struct buf *b, char code, const char *value)
{
    if (!value)
        return;
    buf_put8(b, (uint8_t)code);
    pgwire_put_utf8(b, value);
    buf_put8(b, 0);
}

void pgwire_put_error(struct buf *b, const char *severity, const struct error *e, const char *where)
{
    bool is_error =
        !strcmp(severity, "ERROR") || !strcmp(severity, "FATAL") || !strcmp(severity, "PANIC");
    size_t at = pgwire_begin(b, is_error ? 'E' : 'N');
    put_field(b, 'S', severity);
    put_field(b, 'V', severity);
    put_field(b, 'C', e->sqlstate);
    put_field(b, 'M', e->message);
    put_field(b, 'D', e->detail);
    put_field(b, 'H', e->hint);
    if (e->position > 0) {
        char position[16];
        snprintf(position, sizeof(position), "%d", e->position);
        put_field(b, 'P', position);
    }
    put_field(b, 'W', where);
    if (e->table || e->datatype)
        put_field(b, 's', e->schema ? e->schema : "public");
    put_field(b, 't', e->table);
    put_field(b, 'c', e->column);
    put_field(b, 'd', e->datatype);
    put_field(b, 'n', e->constraint);
    put_field(b, 'R', e->routine);
    buf_put8(b, 0);
    pgwire_end(b, at);
}
