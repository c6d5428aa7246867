/*
 * COPY FROM, text and csv: rows out of chunks.
 *
 * One pass over the bytes finds where fields end; a table of 256 says which bytes are worth a look,
 * so that plain data runs through in a tight loop. Fields are kept as offsets from the row's start.
 * When the chunk ends inside a row, the row moves to `hold`, later chunks are appended there, and
 * scanning goes on where it stopped.
 *
 *   plain --quote--> quoted --quote--> plain          (csv)
 *   plain --delimiter--> next field, --line end--> row complete, --\.--> ended
 *
 * Only fields that hold an escape or a quote are copied, to `scratch`; the others point into the
 * chunk.
 */
#include "pgwire/pgwire_int.h"

enum { MAX_ROW = 1 << 30 };

struct pgwire_copy_options pgwire_copy_defaults(enum pgwire_copy_format format)
{
    bool csv = format == PGWIRE_CSV;
    return (struct pgwire_copy_options){.format = format,
                                        .delimiter = csv ? ',' : '\t',
                                        .quote = '"',
                                        .escape = '"',
                                        .null_string = csv ? "" : "\\N"};
}

struct pgwire_copy *pgwire_copy_new(const struct pgwire_copy_options *o, int max_fields)
{
    struct pgwire_copy *c = NEW(struct pgwire_copy);
    c->o = *o;
    c->null_string = mem_strdup(o->null_string ? o->null_string : "");
    c->o.null_string = c->null_string;
    c->null_len = strlen(c->null_string);
    c->max_fields = max_fields;
    c->spans = mem_zalloc(sizeof(*c->spans) * ((size_t)max_fields + 1));
    c->fields = mem_zalloc(sizeof(*c->fields) * ((size_t)max_fields + 1));
    c->skip_header = o->header && o->format != PGWIRE_BINARY;
    c->stop['\n'] = c->stop['\r'] = c->stop['\\'] = 1;
    c->stop[(uint8_t)o->delimiter] = 1;
    if (o->format == PGWIRE_CSV) {
        c->stop[(uint8_t)o->quote] = 1;
        c->quoted_stop[(uint8_t)o->quote] = c->quoted_stop[(uint8_t)o->escape] = 1;
        c->quoted_stop['\n'] = 1;
    }
    return c;
}

void pgwire_copy_free(struct pgwire_copy *c)
{
    if (!c)
        return;
    mem_free(c->null_string);
    mem_free(c->spans);
    mem_free(c->fields);
    buf_done(&c->hold);
    buf_done(&c->scratch);
    mem_free(c);
}

void pgwire_copy_feed(struct pgwire_copy *c, const void *data, size_t len)
{
    if (c->hold.len) {
        buf_append(&c->hold, data, len);
        c->data = c->hold.data;
        c->len = c->hold.len;
    } else {
        c->data = data;
        c->len = len;
        c->pos -= c->start; /* both 0 unless nothing of a row was held */
        c->start = 0;
    }
}

void pgwire_copy_finish(struct pgwire_copy *c)
{
    c->finishing = true;
    if (!c->hold.len) {
        c->data = NULL;
        c->len = c->start = c->pos = 0;
    }
}

uint64_t pgwire_copy_line(const struct pgwire_copy *c)
{
    return c->line ? c->line : 1;
}

/* The chunk is used up: what it holds of an unfinished row moves to `hold`. */
static struct error *keep_rest(struct pgwire_copy *c)
{
    size_t rest = c->len - c->start;
    if (rest > MAX_ROW)
        return error_new("54000", "a row of COPY data is larger than 1 GB");
    if (c->data && c->data == c->hold.data) {
        if (c->start) {
            memmove(c->hold.data, c->hold.data + c->start, rest);
            c->hold.len = rest;
        }
    } else {
        buf_clear(&c->hold);
        if (rest)
            buf_append(&c->hold, c->data + c->start, rest);
    }
    c->pos -= c->start;
    c->start = 0;
    c->data = c->hold.data;
    c->len = c->hold.len;
    return NULL;
}

/* ---- taking escapes out ------------------------------------------------------------------- */

static int hex_value(char ch)
{
    return ch >= '0' && ch <= '9'   ? ch - '0'
           : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
           : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
                                    : -1;
}

/* Digits of \ooo or \xhh, at most `max`; returns how many there were. */
static size_t digits(const char *p, const char *end, int base, size_t max, char *ret)
{
    size_t n = 0;
    int v = 0;
    for (; n < max && p + n < end; n++) {
        int d = hex_value(p[n]);
        if (d < 0 || d >= base)
            break;
        v = v * base + d;
    }
    *ret = (char)(v & 0xff);
    return n;
}

/* One escape, p just after the backslash; returns where the text goes on. */
static const char *unescape_one(const char *p, const char *end, char *out)
{
    static const char from[] = "bfnrtv", to[] = "\b\f\n\r\t\v";
    char ch = *p;
    if (ch >= '0' && ch <= '7')
        return p + digits(p, end, 8, 3, out);
    if (ch == 'x') {
        size_t n = digits(p + 1, end, 16, 2, out);
        if (n)
            return p + 1 + n;
    }
    const char *at = ch ? strchr(from, ch) : NULL;
    *out = at ? to[at - from] : ch;
    return p + 1;
}

static size_t unescape(const char *p, const char *end, char *out)
{
    char *o = out;
    while (p < end) {
        if (*p != '\\') {
            *o++ = *p++;
        } else if (++p < end) {
            p = unescape_one(p, end, o++);
        }
    }
    return (size_t)(o - out);
}

static size_t unquote(const struct pgwire_copy *c, const char *p, const char *end, char *out)
{
    char *o = out;
    bool quoted = false;
    char quote = c->o.quote, escape = c->o.escape;
    for (; p < end; p++) {
        if (quoted && *p == escape && p + 1 < end && (p[1] == quote || p[1] == escape)) {
            *o++ = *++p;
        } else if (*p == quote) {
            quoted = !quoted;
        } else {
            *o++ = *p;
        }
    }
    return (size_t)(o - out);
}

static bool is_null(const struct pgwire_copy *c, int i, const char *p, size_t n, bool quoted)
{
    if (n != c->null_len || memcmp(p, c->null_string, n) != 0)
        return false;
    if (c->o.format != PGWIRE_CSV)
        return true;
    if (quoted)
        return c->o.force_null && c->o.force_null[i];
    return !(c->o.force_not_null && c->o.force_not_null[i]);
}

/* A backslash with nothing behind it, where the data end, stands for nothing. */
static size_t without_last_backslash(const char *p, size_t n)
{
    size_t backslashes = 0;
    while (backslashes < n && p[n - 1 - backslashes] == '\\')
        backslashes++;
    return n - backslashes % 2;
}

static void make_field(struct pgwire_copy *c, int i)
{
    const struct copy_span *s = &c->spans[i];
    const char *p = c->data + c->start + s->from;
    size_t n = s->to - s->from;
    bool csv = c->o.format == PGWIRE_CSV, extra = i >= c->max_fields;
    if (!s->special) {
        bool null = !extra && is_null(c, i, p, n, false);
        c->fields[i] = (struct pgwire_copy_field){null ? NULL : p, null ? 0 : n};
        return;
    }
    if (!csv)
        n = without_last_backslash(p, n);
    if (!csv && is_null(c, i, p, n, false)) { /* \N is compared before escapes are taken out */
        c->fields[i] = (struct pgwire_copy_field){NULL, 0};
        return;
    }
    char *out = c->scratch.data + c->scratch.len; /* there is room: see emit_row */
    size_t made = csv ? unquote(c, p, p + n, out) : unescape(p, p + n, out);
    c->scratch.len += made;
    bool null = csv && !extra && is_null(c, i, out, made, true);
    c->fields[i] = (struct pgwire_copy_field){null ? NULL : out, null ? 0 : made};
}

/* ---- scanning ----------------------------------------------------------------------------- */

/* What a look at a byte led to. */
enum seen { SEEN_ON, SEEN_MORE, SEEN_ROW, SEEN_END };

static void end_field(struct pgwire_copy *c)
{
    if (c->n <= c->max_fields)
        c->spans[c->n++] = (struct copy_span){c->field, c->pos - c->start, c->special};
    c->special = false;
}

static struct error *wrong_line_end(const struct pgwire_copy *c, bool newline)
{
    bool csv = c->o.format == PGWIRE_CSV;
    struct error *e = error_new("22P04", "%s %s found in data", csv ? "unquoted" : "literal",
                                newline ? "newline" : "carriage return");
    return csv ? error_hint(e, "Use quoted CSV field to represent %s.",
                            newline ? "newline" : "carriage return")
               : error_hint(e, "Use \"%s\" to represent %s.", newline ? "\\n" : "\\r",
                            newline ? "newline" : "carriage return");
}

static struct error *see_newline(struct pgwire_copy *c, enum seen *ret)
{
    if (c->eol == EOL_CR || c->eol == EOL_CRNL)
        return wrong_line_end(c, true);
    c->eol = EOL_NL;
    *ret = SEEN_ROW;
    return NULL;
}

static struct error *see_return(struct pgwire_copy *c, enum seen *ret)
{
    if (c->eol == EOL_NL)
        return wrong_line_end(c, false);
    if (c->eol != EOL_CR && c->pos + 1 == c->len && !c->finishing) {
        *ret = SEEN_MORE; /* is it \r or \r\n? */
        return NULL;
    }
    bool pair = c->eol != EOL_CR && c->pos + 1 < c->len && c->data[c->pos + 1] == '\n';
    if (c->eol == EOL_CRNL && !pair)
        return wrong_line_end(c, false);
    c->eol = pair ? EOL_CRNL : EOL_CR;
    *ret = SEEN_ROW;
    return NULL;
}

/* A backslash: the end marker \. on a line of its own, or in text an escape. */
static struct error *see_backslash(struct pgwire_copy *c, enum seen *ret)
{
    bool csv = c->o.format == PGWIRE_CSV;
    size_t left = c->len - c->pos;
    if (left < 2) {
        if (!c->finishing && (!csv || c->pos == c->start)) {
            *ret = SEEN_MORE;
            return NULL;
        }
        c->special |= !csv;
        c->pos++;
        return NULL;
    }
    bool dot = c->data[c->pos + 1] == '.';
    if (dot && c->pos == c->start) {
        if (left < 3 && !c->finishing) {
            *ret = SEEN_MORE;
            return NULL;
        }
        if (left < 3 || c->data[c->pos + 2] == '\n' || c->data[c->pos + 2] == '\r') {
            *ret = SEEN_END;
            return NULL;
        }
    }
    if (csv) {
        c->pos++;
        return NULL;
    }
    if (dot)
        return error_new("22P04", "end-of-copy marker corrupt");
    c->special = true;
    c->pos += 2;
    return NULL;
}

static struct error *see_plain(struct pgwire_copy *c, enum seen *ret)
{
    char ch = c->data[c->pos];
    if (ch == '\n')
        return see_newline(c, ret);
    if (ch == '\r')
        return see_return(c, ret);
    if (ch == c->o.delimiter) {
        end_field(c);
        c->pos++;
        c->field = c->pos - c->start;
        return NULL;
    }
    if (c->o.format == PGWIRE_CSV && ch == c->o.quote) {
        c->in_quote = c->special = true;
        c->pos++;
        return NULL;
    }
    return see_backslash(c, ret);
}

/* Inside quotes: an escaped quote, the closing one, or a line end that is data. */
static enum seen see_quoted(struct pgwire_copy *c)
{
    char ch = c->data[c->pos];
    if (ch == '\n') {
        c->line++;
        c->pos++;
        return SEEN_ON;
    }
    if (ch == c->o.escape) {
        if (c->pos + 1 == c->len && !c->finishing)
            return SEEN_MORE;
        char next = c->pos + 1 < c->len ? c->data[c->pos + 1] : 0;
        if (next && (next == c->o.quote || next == c->o.escape)) {
            c->pos += 2;
            return SEEN_ON;
        }
    }
    if (ch == c->o.quote)
        c->in_quote = false;
    c->pos++;
    return SEEN_ON;
}

static struct error *scan(struct pgwire_copy *c, enum seen *ret)
{
    *ret = SEEN_ON;
    while (*ret == SEEN_ON) {
        const uint8_t *stop = c->in_quote ? c->quoted_stop : c->stop;
        const unsigned char *p = (const unsigned char *)c->data;
        size_t pos = c->pos, len = c->len;
        while (pos < len && !stop[p[pos]])
            pos++;
        c->pos = pos;
        if (pos == len) {
            *ret = !c->finishing || c->start == len ? SEEN_MORE : SEEN_ROW;
            if (*ret == SEEN_ROW && c->in_quote)
                return error_new("22P04", "unterminated CSV quoted field");
            return NULL;
        }
        if (c->in_quote)
            *ret = see_quoted(c);
        else
            TRY(see_plain(c, ret));
    }
    return NULL;
}

/* ---- rows --------------------------------------------------------------------------------- */

static void begin_row(struct pgwire_copy *c)
{
    c->n = 0;
    c->field = 0;
    c->special = c->in_quote = false;
}

/* The scanned row, given out; then past its line end. */
static void emit_row(struct pgwire_copy *c, struct pgwire_copy_row *ret)
{
    end_field(c);
    size_t raw_len = c->pos - c->start;
    buf_clear(&c->scratch);
    bool any = false;
    for (int i = 0; i < c->n; i++)
        any |= c->spans[i].special;
    if (any)
        buf_reserve(&c->scratch, raw_len);
    for (int i = 0; i < c->n; i++)
        make_field(c, i);
    *ret = (struct pgwire_copy_row){.n = c->n,
                                    .fields = c->fields,
                                    .line = c->line,
                                    .raw = c->data + c->start,
                                    .raw_len = raw_len};
    if (c->pos < c->len)
        c->pos += c->eol == EOL_CRNL ? 2 : 1;
    c->start = c->pos;
    c->counted = false;
}

struct error *pgwire_copy_next(struct pgwire_copy *c, enum pgwire_copy_step *ret_step,
                               struct pgwire_copy_row *ret)
{
    if (c->o.format == PGWIRE_BINARY)
        return pgwire__copy_next_binary(c, ret_step, ret);
    for (;;) {
        if (c->ended || (c->finishing && c->start == c->len)) {
            *ret_step = c->finishing ? PGWIRE_COPY_END : PGWIRE_COPY_MORE;
            c->start = c->pos = c->len;
            buf_clear(&c->hold);
            return NULL;
        }
        if (c->pos == c->start)
            begin_row(c);
        if (!c->counted)
            c->line++;
        c->counted = true;
        enum seen seen;
        TRY(scan(c, &seen));
        if (seen == SEEN_MORE) {
            *ret_step = PGWIRE_COPY_MORE;
            if (c->start == c->len) { /* that row has not begun */
                c->line--;
                c->counted = false;
            }
            return keep_rest(c);
        }
        if (seen == SEEN_END) {
            c->ended = true;
            continue;
        }
        emit_row(c, ret);
        if (!c->skip_header) {
            *ret_step = PGWIRE_COPY_ROW;
            return NULL;
        }
        c->skip_header = false;
    }
}
