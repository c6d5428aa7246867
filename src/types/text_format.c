/*
 * format(), identifiers in text, overlay(), unistr(), num_nulls().
 */
#include "types/types_int.h"

/* PostgreSQL's own list, from libpg_query */
#include "postgres.h"

#include "common/keywords.h"

/* ---- identifiers
 * ---------------------------------------------------------------------------------- */

static bool is_ident_start(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_ident_part(unsigned char c)
{
    return is_ident_start(c) || (c >= '0' && c <= '9') || c == '$';
}

static bool needs_quotes(const char *s, size_t n)
{
    char name[NAME_MAX_BYTES + 1];
    bool plain = n > 0 && ((*s >= 'a' && *s <= 'z') || *s == '_');
    for (size_t i = 0; i < n && plain; i++)
        plain = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '_';
    if (!plain || n > NAME_MAX_BYTES)
        return !plain;
    memcpy(name, s, n);
    name[n] = 0;
    int keyword = ScanKeywordLookup(name, &ScanKeywords);
    return keyword >= 0 && ScanKeywordCategories[keyword] != UNRESERVED_KEYWORD;
}

static void put_ident(const struct value *v, struct buf *out)
{
    if (!needs_quotes(v->s.p, v->s.n)) {
        buf_append(out, v->s.p, v->s.n);
        return;
    }
    buf_puts(out, "\"");
    for (size_t i = 0; i < v->s.n; i++) {
        buf_puts(out, v->s.p[i] == '"' ? "\"" : "");
        buf_append(out, &v->s.p[i], 1);
    }
    buf_puts(out, "\"");
}

static CALL(quote_ident)
{
    _cleanup_(buf_done) struct buf out = {0};
    put_ident(v, &out);
    *ret = types__text_of(a, &out);
    return NULL;
}

struct ident_scan {
    const struct value *all;
    const char *p, *end;
};

static struct error *bad_ident(const struct ident_scan *s, const char *detail)
{
    struct error *e = error_new("22023", "string is not a valid identifier: \"%.*s\"",
                                (int)MIN(s->all->s.n, 1000), s->all->s.p);
    return detail ? error_detail(e, "%s", detail) : e;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_space(struct ident_scan *s)
{
    while (s->p < s->end && is_space(*s->p))
        s->p++;
}

static struct error *quoted_part(struct ident_scan *s, struct arena *a, struct value *ret)
{
    _cleanup_(buf_done) struct buf out = {0};
    for (s->p++;; s->p++) {
        if (s->p == s->end)
            return bad_ident(s, "String has unclosed double quotes.");
        if (*s->p == '"' && (s->p + 1 == s->end || s->p[1] != '"'))
            break;
        s->p += *s->p == '"';
        buf_append(&out, s->p, 1);
    }
    s->p++;
    *ret = types__text_of(a, &out);
    return out.len ? NULL : bad_ident(s, "Quoted identifier must not be empty.");
}

static struct error *ident_part(struct ident_scan *s, bool after_dot, struct arena *a,
                                struct value *ret)
{
    const char *from = s->p;
    if (s->p < s->end && *s->p == '"')
        return quoted_part(s, a, ret);
    if (s->p == s->end || !is_ident_start((unsigned char)*s->p))
        return bad_ident(s, s->p < s->end && *s->p == '.' ? "No valid identifier before \".\"."
                            : after_dot                   ? "No valid identifier after \".\"."
                                                          : NULL);
    while (s->p < s->end && is_ident_part((unsigned char)*s->p))
        s->p++;
    size_t n = (size_t)(s->p - from);
    char *name = arena_strndup(a, from, n);
    for (size_t i = 0; i < n; i++)
        name[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i];
    *ret = value_text(name, n);
    return NULL;
}

/* (text [, strict]) */
static CALL(parse_ident)
{
    struct ident_scan s = {.all = v, .p = v->s.p, .end = v->s.p + v->s.n};
    bool strict = n < 2 || v[1].i;
    struct array parts = {.n_dims = 1, .lower = {1}};
    parts.items = ARENA_ARRAY(a, struct value, v->s.n + 1);
    for (bool after_dot = false;; after_dot = true) {
        skip_space(&s);
        TRY(ident_part(&s, after_dot, a, &parts.items[parts.n]));
        parts.n++;
        skip_space(&s);
        if (s.p < s.end && *s.p == '.') {
            s.p++;
            continue;
        }
        if (s.p < s.end && strict)
            return bad_ident(&s, NULL);
        break;
    }
    parts.dims[0] = (int32_t)parts.n;
    *ret = types__array_write(type_by_oid(OID_TEXT), &parts, a);
    return NULL;
}

/* ---- format
 * --------------------------------------------------------------------------------------- */

struct format {
    const char *p, *end;
    const struct value *args; /* [0] is the format itself */
    int n_args, next;         /* the argument to take next */
    struct buf out;
};

struct directive {
    int argument, width_argument; /* -1: none; width_argument 0: the next one */
    bool left;
    int64_t width;
};

static struct error *with_percent_hint(struct error *e)
{
    return error_hint(e, "For a single \"%%\" use \"%%%%\".");
}

static struct error *advance(struct format *f)
{
    if (++f->p < f->end)
        return NULL;
    return with_percent_hint(error_new("22023", "unterminated format() type specifier"));
}

static struct error *format_digits(struct format *f, int64_t *ret, bool *ret_found)
{
    *ret = 0;
    *ret_found = false;
    while (*f->p >= '0' && *f->p <= '9') {
        *ret = *ret * 10 + (*f->p - '0');
        if (*ret > INT32_MAX)
            return error_new(E_OUT_OF_RANGE, "number is out of range");
        *ret_found = true;
        TRY(advance(f));
    }
    return NULL;
}

static struct error *check_position(int64_t n)
{
    return n ? NULL
             : error_new("22023", "format specifies argument 0, but arguments are numbered from 1");
}

/* [n$][-]..[width | * | *n$], in front of the type */
static struct error *read_directive(struct format *f, struct directive *d)
{
    int64_t number;
    bool found;
    *d = (struct directive){.argument = -1, .width_argument = -1};
    TRY(format_digits(f, &number, &found));
    if (found && *f->p != '$') {
        d->width = number;
        return NULL;
    }
    if (found) {
        d->argument = (int)number;
        TRY(check_position(number));
        TRY(advance(f));
    }
    while (*f->p == '-') {
        d->left = true;
        TRY(advance(f));
    }
    if (*f->p != '*')
        return format_digits(f, &d->width, &found);
    TRY(advance(f));
    TRY(format_digits(f, &number, &found));
    d->width_argument = (int)number;
    if (!found)
        return NULL;
    if (*f->p != '$')
        return error_new("22023", "width argument position must be ended by \"$\"");
    TRY(check_position(number));
    return advance(f);
}

static struct error *take_argument(struct format *f, int position, const struct value **ret)
{
    if (position > 0)
        f->next = position;
    if (f->next >= f->n_args)
        return error_new("22023", "too few arguments for format()");
    *ret = &f->args[f->next++];
    return NULL;
}

static struct error *take_width(struct format *f, struct directive *d)
{
    const struct value *v = NULL;
    TRY(take_argument(f, d->width_argument, &v));
    if (v->kind == VALUE_NULL)
        return NULL;
    TRY(types__int_parse(v->s.p, v->s.n, 4, &d->width));
    if (d->width == INT32_MIN)
        return error_new(E_OUT_OF_RANGE, "number is out of range");
    d->left |= d->width < 0;
    d->width = d->width < 0 ? -d->width : d->width;
    return NULL;
}

static void put_literal(const struct value *v, struct buf *out)
{
    buf_puts(out, memchr(v->s.p, '\\', v->s.n) ? "E'" : "'");
    for (size_t i = 0; i < v->s.n; i++) {
        if (v->s.p[i] == '\'' || v->s.p[i] == '\\')
            buf_append(out, &v->s.p[i], 1);
        buf_append(out, &v->s.p[i], 1);
    }
    buf_puts(out, "'");
}

static struct error *put_padded(struct format *f, const struct directive *d, const struct buf *text)
{
    size_t have = types__utf8_length(text->data ? text->data : "", text->len);
    size_t blanks = d->width > 0 && (size_t)d->width > have ? (size_t)d->width - have : 0;
    if (f->out.len + text->len + blanks > TEXT_MAX_BYTES)
        return error_new("54000", "requested length too large");
    buf_reserve(&f->out, blanks + text->len);
    for (size_t i = 0; !d->left && i < blanks; i++)
        buf_append(&f->out, " ", 1);
    buf_append(&f->out, text->data, text->len);
    for (size_t i = 0; d->left && i < blanks; i++)
        buf_append(&f->out, " ", 1);
    return NULL;
}

static struct error *put_directive(struct format *f)
{
    struct directive d;
    const struct value *v = NULL;
    _cleanup_(buf_done) struct buf text = {0};
    TRY(read_directive(f, &d));
    if (!strchr("sIL", *f->p))
        return with_percent_hint(
            error_new("22023", "unrecognized format() type specifier \"%.*s\"",
                      (int)types__utf8_prefix(f->p, (size_t)(f->end - f->p), 1), f->p));
    if (d.width_argument >= 0)
        TRY(take_width(f, &d));
    TRY(take_argument(f, d.argument, &v));
    if (v->kind == VALUE_NULL && *f->p == 'I')
        return error_new("22004", "null values cannot be formatted as an SQL identifier");
    if (v->kind == VALUE_NULL)
        buf_puts(&text, *f->p == 'L' ? "NULL" : "");
    else if (*f->p == 's')
        buf_append(&text, v->s.p, v->s.n);
    else if (*f->p == 'I')
        put_ident(v, &text);
    else
        put_literal(v, &text);
    return put_padded(f, &d, &text);
}

static struct error *put_all(struct format *f)
{
    while (f->p < f->end) {
        if (*f->p != '%') {
            buf_append(&f->out, f->p++, 1);
            continue;
        }
        TRY(advance(f));
        if (*f->p == '%')
            buf_puts(&f->out, "%");
        else
            TRY(put_directive(f));
        f->p++;
    }
    return NULL;
}

static CALL(text_format)
{
    *ret = v[0];
    if (v[0].kind == VALUE_NULL)
        return NULL;
    struct format f = {
        .p = v[0].s.p, .end = v[0].s.p + v[0].s.n, .args = v, .n_args = n, .next = 1};
    struct error *e = put_all(&f);
    if (!e)
        *ret = types__text_of(a, &f.out);
    buf_done(&f.out);
    return e;
}

/* ---- overlay
 * -------------------------------------------------------------------------------------- */

static struct error *overlay(const struct value *v, int n, bool bytes, struct arena *a,
                             struct value *ret)
{
    int64_t from = v[2].i, len;
    len = n > 3 ? v[3].i : (int64_t)(bytes ? v[1].s.n : types__utf8_length(v[1].s.p, v[1].s.n));
    if (from <= 0)
        return error_new("22011", "negative substring length not allowed");
    if (from + len > INT32_MAX || from + len < INT32_MIN)
        return error_new(E_OUT_OF_RANGE, "integer out of range");
    size_t head = (size_t)from - 1, rest = (size_t)MAX(from + len - 1, 0);
    head = bytes ? MIN(head, v[0].s.n) : types__utf8_prefix(v[0].s.p, v[0].s.n, head);
    rest = bytes ? MIN(rest, v[0].s.n) : types__utf8_prefix(v[0].s.p, v[0].s.n, rest);
    size_t total = head + v[1].s.n + (v[0].s.n - rest);
    if (total > TEXT_MAX_BYTES)
        return error_new("54000", "requested length too large");
    char *p = arena_alloc(a, total + 1);
    memcpy(p, v[0].s.p, head);
    memcpy(p + head, v[1].s.p, v[1].s.n);
    memcpy(p + head + v[1].s.n, v[0].s.p + rest, v[0].s.n - rest);
    *ret = value_text(p, total);
    ret->kind = bytes ? VALUE_BLOB : VALUE_TEXT;
    return NULL;
}

static CALL(text_overlay)
{
    return overlay(v, n, false, a, ret);
}

static CALL(bytea_overlay)
{
    return overlay(v, n, true, a, ret);
}

/* ---- unistr
 * --------------------------------------------------------------------------------------- */

static int hex_digits(const char *p, const char *end, int n, uint32_t *ret)
{
    *ret = 0;
    for (int i = 0; i < n; i++, p++) {
        if (p == end || !strchr("0123456789abcdefABCDEF", *p) || !*p)
            return 0;
        *ret = *ret << 4 | (uint32_t)(*p <= '9' ? *p - '0' : (*p | 32) - 'a' + 10);
    }
    return n;
}

/* The code behind a backslash at p; its length, 0: there is none. */
static int unicode_escape(const char *p, const char *end, uint32_t *ret)
{
    char kind = p < end ? *p : 0;
    if (kind != '+' && kind != 'u' && kind != 'U')
        return hex_digits(p, end, 4, ret);
    int n = hex_digits(p + 1, end, kind == '+' ? 6 : kind == 'u' ? 4 : 8, ret);
    return n ? n + 1 : 0;
}

static CALL(text_unistr)
{
    _cleanup_(buf_done) struct buf out = {0};
    const char *p = v->s.p, *end = p + v->s.n;
    uint32_t high = 0, c;
    while (p < end) {
        bool escape = *p == '\\' && !(p + 1 < end && p[1] == '\\');
        int n_code = escape ? unicode_escape(p + 1, end, &c) : 0;
        if (escape && !n_code)
            return error_hint(error_new(E_SYNTAX, "invalid Unicode escape"),
                              "Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or "
                              "\\UXXXXXXXX.");
        if (!escape) {
            if (high)
                return error_new(E_SYNTAX, "invalid Unicode surrogate pair");
            buf_append(&out, p, 1);
            p += *p == '\\' ? 2 : 1;
            continue;
        }
        p += 1 + n_code;
        bool low = c >= 0xdc00 && c <= 0xdfff;
        if (low != (high != 0))
            return error_new(E_SYNTAX, "invalid Unicode surrogate pair");
        if (c >= 0xd800 && c <= 0xdbff) {
            high = c;
            continue;
        }
        if (low)
            c = 0x10000 + ((high & 0x3ff) << 10) + (c & 0x3ff);
        high = 0;
        if (c == 0 || c > 0x10ffff)
            return error_new("22023", "invalid Unicode code point: %04X", c);
        types__utf8_encode(c, &out);
    }
    if (high)
        return error_new(E_SYNTAX, "invalid Unicode surrogate pair");
    *ret = types__text_of(a, &out);
    return NULL;
}

/* ---- counting NULLs
 * ------------------------------------------------------------------------------- */

static CALL(num_nulls)
{
    int64_t nulls = 0;
    for (int i = 0; i < n; i++)
        nulls += v[i].kind == VALUE_NULL;
    *ret = value_int(nulls);
    return NULL;
}

static CALL(num_nonnulls)
{
    TRY(num_nulls(v, n, a, ret));
    ret->i = n - ret->i;
    return NULL;
}

/* ---- rows
 * ----------------------------------------------------------------------------------------- */

#define T OID_TEXT
#define I4 OID_INT4
#define ANY OID_ANY
#define LOOSE(nm, n, a1, a2, more, r, fn)                                                          \
    {                                                                                              \
        .name = nm, .kind = FUNC_SCALAR, .nargs = n, .args = {a1, a2}, .variadic = more,           \
        .result = r, .sqlite_name = #fn, .call = fn                                                \
    }
#define OVERLAY4(type, fn)                                                                         \
    {                                                                                              \
        .name = "overlay", .kind = FUNC_SCALAR, .nargs = 4, .args = {type, type, I4, I4},          \
        .result = type, .strict = true, .sqlite_name = #fn "_4", .call = fn                        \
    }

static const struct func rows[] = {
    SCALAR1("quote_ident", T, T, "quote_ident", quote_ident),
    SCALAR1("parse_ident", T, OID_TEXT_ARRAY, "parse_ident_1", parse_ident),
    SCALAR2("parse_ident", T, OID_BOOL, OID_TEXT_ARRAY, "parse_ident_2", parse_ident),
    LOOSE("format", 2, T, ANY, true, T, text_format),
    LOOSE("format", 1, T, 0, false, T, text_format),
    SCALAR3("overlay", T, T, I4, T, "text_overlay_3", text_overlay),
    OVERLAY4(T, text_overlay),
    SCALAR3("overlay", OID_BYTEA, OID_BYTEA, I4, OID_BYTEA, "bytea_overlay_3", bytea_overlay),
    OVERLAY4(OID_BYTEA, bytea_overlay),
    SCALAR1("unistr", T, T, "unistr", text_unistr),
    LOOSE("num_nulls", 1, ANY, 0, true, I4, num_nulls),
    LOOSE("num_nonnulls", 1, ANY, 0, true, I4, num_nonnulls),
};

const struct func_rows types__format_funcs = {rows, ARRAY_LEN(rows)};
