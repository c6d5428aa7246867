/* COPY TO: rows as text, csv or binary. */
#include "pgwire/pgwire.h"

void pgwire_copy_put_start(struct buf *b, const struct pgwire_copy_options *o)
{
    if (o->format != PGWIRE_BINARY)
        return;
    buf_append(b, "PGCOPY\n\377\r\n", 11);
    buf_put32(b, 0);
    buf_put32(b, 0);
}

void pgwire_copy_put_row(struct buf *b, const struct pgwire_copy_options *o, int n_fields)
{
    if (o->format == PGWIRE_BINARY)
        buf_put16(b, (uint16_t)n_fields);
}

/* The letter after the backslash; 0: the byte stands for itself. */
static char escape_of(char ch, char delimiter)
{
    switch (ch) {
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\v':
        return 'v';
    case '\\':
        return '\\';
    default:
        return ch == delimiter ? ch : 0;
    }
}

static void put_text(struct buf *b, char delimiter, const char *p, size_t n)
{
    const char *end = p + n, *plain = p;
    for (; p < end; p++) {
        if ((unsigned char)*p > '\r' && *p != '\\' && *p != delimiter)
            continue;
        char letter = escape_of(*p, delimiter);
        if (!letter)
            continue;
        buf_append(b, plain, (size_t)(p - plain));
        buf_append(b, (char[]){'\\', letter}, 2);
        plain = p + 1;
    }
    buf_append(b, plain, (size_t)(end - plain));
}

/* Would it be read back as something else without quotes? */
static bool needs_quotes(const struct pgwire_copy_options *o, const char *p, size_t n)
{
    size_t null_len = strlen(o->null_string);
    if (n == null_len && memcmp(p, o->null_string, n) == 0)
        return true;
    if (n == 2 && p[0] == '\\' && p[1] == '.')
        return true;
    for (size_t i = 0; i < n; i++)
        if (p[i] == o->delimiter || p[i] == o->quote || p[i] == '\n' || p[i] == '\r')
            return true;
    return false;
}

static void put_quoted(struct buf *b, const struct pgwire_copy_options *o, const char *p, size_t n)
{
    buf_append(b, &o->quote, 1);
    for (size_t i = 0; i < n; i++) {
        if (p[i] == o->quote || p[i] == o->escape)
            buf_append(b, &o->escape, 1);
        buf_append(b, &p[i], 1);
    }
    buf_append(b, &o->quote, 1);
}

void pgwire_copy_put_field(struct buf *b, const struct pgwire_copy_options *o, int index,
                           const char *p, size_t n)
{
    if (o->format == PGWIRE_BINARY) {
        buf_put32(b, p ? (uint32_t)n : UINT32_MAX);
        if (p)
            buf_append(b, p, n);
        return;
    }
    if (index)
        buf_append(b, &o->delimiter, 1);
    if (!p)
        buf_puts(b, o->null_string);
    else if (o->format == PGWIRE_TEXT)
        put_text(b, o->delimiter, p, n);
    else if ((o->force_quote && o->force_quote[index]) || needs_quotes(o, p, n))
        put_quoted(b, o, p, n);
    else
        buf_append(b, p, n);
}

void pgwire_copy_put_row_end(struct buf *b, const struct pgwire_copy_options *o)
{
    if (o->format != PGWIRE_BINARY)
        buf_append(b, "\n", 1);
}

void pgwire_copy_put_finish(struct buf *b, const struct pgwire_copy_options *o)
{
    if (o->format == PGWIRE_BINARY)
        buf_put16(b, UINT16_MAX);
}
