/*
 * Text functions that look: length, position, parts of a text. Positions and lengths count
 * characters. Case folding is ASCII, as in PostgreSQL under collation C.
 */
#include "types/types_int.h"

/* ---- length ---- */

static CALL(text_length)
{
    *ret = value_int((int64_t)types__utf8_length(v->s.p, v->s.n));
    return NULL;
}

static CALL(bpchar_length)
{
    size_t bytes = types__rtrim_blanks(v->s.p, v->s.n);
    *ret = value_int((int64_t)types__utf8_length(v->s.p, bytes));
    return NULL;
}

static CALL(text_octet_length)
{
    *ret = value_int((int64_t)v->s.n);
    return NULL;
}

static CALL(text_bit_length)
{
    *ret = value_int((int64_t)v->s.n * 8);
    return NULL;
}

/* ---- position ---- */

static const char *find(const struct value *text, const struct value *part)
{
    return memmem(text->s.p, text->s.n, part->s.p, part->s.n);
}

static CALL(text_strpos)
{
    const char *at = v[1].s.n ? find(&v[0], &v[1]) : v[0].s.p;
    *ret = value_int(at ? (int64_t)types__utf8_length(v[0].s.p, (size_t)(at - v[0].s.p)) + 1 : 0);
    return NULL;
}

static CALL(text_starts_with)
{
    *ret = value_int(v[0].s.n >= v[1].s.n && memcmp(v[0].s.p, v[1].s.p, v[1].s.n) == 0);
    return NULL;
}

/* ---- parts ---- */

/* The characters [from, to) of a text, counted from 0; may lie outside. */
static struct value slice(const struct value *text, int64_t from, int64_t to)
{
    from = MAX(from, 0);
    if (to <= from)
        return value_text("", 0);
    size_t skip = types__utf8_prefix(text->s.p, text->s.n, (size_t)from);
    return value_text(text->s.p + skip,
                      types__utf8_prefix(text->s.p + skip, text->s.n - skip, (size_t)(to - from)));
}

static CALL(text_substr)
{
    int64_t from = v[1].i - 1;
    if (n == 3 && v[2].i < 0)
        return error_new("22011", "negative substring length not allowed");
    *ret = slice(&v[0], from, n == 3 ? from + v[2].i : INT64_MAX);
    return NULL;
}

/* A negative count leaves that many characters out at the other end. */
static CALL(text_left)
{
    int64_t length = v[1].i < 0 ? (int64_t)types__utf8_length(v[0].s.p, v[0].s.n) : 0;
    *ret = slice(&v[0], 0, v[1].i < 0 ? length + v[1].i : v[1].i);
    return NULL;
}

static CALL(text_right)
{
    int64_t length = (int64_t)types__utf8_length(v[0].s.p, v[0].s.n);
    *ret = slice(&v[0], v[1].i < 0 ? -v[1].i : length - v[1].i, length);
    return NULL;
}

/* The field after `skip` separators; *ret_found says whether there is one. */
static struct value field(const struct value *text, const struct value *separator, int64_t skip,
                          bool *ret_found)
{
    struct value rest = *text;
    for (;;) {
        const char *at = find(&rest, separator);
        if (skip == 0 || !at) {
            *ret_found = skip == 0;
            return value_text(rest.s.p, at ? (size_t)(at - rest.s.p) : rest.s.n);
        }
        size_t used = (size_t)(at - rest.s.p) + separator->s.n;
        rest = value_text(rest.s.p + used, rest.s.n - used);
        skip--;
    }
}

static int64_t count_fields(const struct value *text, const struct value *separator)
{
    int64_t fields = 1;
    struct value rest = *text;
    for (const char *at; (at = find(&rest, separator)); fields++) {
        size_t used = (size_t)(at - rest.s.p) + separator->s.n;
        rest = value_text(rest.s.p + used, rest.s.n - used);
    }
    return fields;
}

static CALL(text_split_part)
{
    int64_t number = v[2].i;
    if (number == 0)
        return error_new("22023", "field position must not be zero");
    *ret = value_text("", 0);
    if (v[0].s.n == 0)
        return NULL;
    if (v[1].s.n == 0) {
        if (number == 1 || number == -1)
            *ret = v[0];
        return NULL;
    }
    if (number < 0)
        number += count_fields(&v[0], &v[1]) + 1;
    if (number <= 0)
        return NULL;
    bool found;
    struct value part = field(&v[0], &v[1], number - 1, &found);
    if (found)
        *ret = part;
    return NULL;
}

/* ---- characters and codes ---- */

static CALL(text_ascii)
{
    const unsigned char *s = (const unsigned char *)v->s.p;
    uint32_t code = 0;
    if (v->s.n) {
        size_t len = types__utf8_prefix(v->s.p, v->s.n, 1);
        code = len == 1 ? s[0] : len == 2 ? s[0] & 0x1f : len == 3 ? s[0] & 0x0f : s[0] & 0x07;
        for (size_t i = 1; i < len; i++)
            code = code << 6 | (s[i] & 0x3f);
    }
    *ret = value_int(code);
    return NULL;
}

static CALL(text_chr)
{
    int64_t c = v->i;
    if (c < 0)
        return error_new("22023", "character number must be positive");
    if (c == 0)
        return error_new("54000", "null character not permitted");
    if (c > 0x10ffff)
        return error_new("54000", "requested character too large for encoding: %u", (unsigned)c);
    if (c >= 0xd800 && c <= 0xdfff)
        return error_new("54000", "requested character not valid for encoding: %u", (unsigned)c);
    char *p = arena_alloc(a, 4);
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len; i-- > 1; c >>= 6)
        p[i] = (char)(0x80 | (c & 0x3f));
    p[0] = (char)(lead[len] | c);
    *ret = value_text(p, len);
    return NULL;
}

/* ---- rows ---- */

#define T OID_TEXT
#define I4 OID_INT4
/* Blanks at the end don't count, but in octet_length(). */
#define BPCHAR_LENGTH(name)                                                                        \
    SCALAR1_EMIT(name, OID_BPCHAR, I4, "length(rtrim($1, ' '))", bpchar_length)

static const struct func rows[] = {
    SCALAR1_EMIT("length", T, I4, "length($1)", text_length),
    BPCHAR_LENGTH("length"),
    SCALAR1_EMIT("char_length", T, I4, "length($1)", text_length),
    BPCHAR_LENGTH("char_length"),
    SCALAR1_EMIT("character_length", T, I4, "length($1)", text_length),
    BPCHAR_LENGTH("character_length"),
    SCALAR1("octet_length", T, I4, "text_octet_length", text_octet_length),
    {.name = "octet_length",
     .kind = FUNC_SCALAR,
     .nargs = 1,
     .args = {OID_BPCHAR},
     .result = I4,
     .strict = true,
     .sqlite_name = "text_octet_length",
     .call = text_octet_length},
    SCALAR1("bit_length", T, I4, "text_bit_length", text_bit_length),
    SCALAR2_EMIT("strpos", T, T, I4, "instr($1, $2)", text_strpos),
    SCALAR2_EMIT("position", T, T, I4, "instr($1, $2)", text_strpos),
    SCALAR2("starts_with", T, T, OID_BOOL, "text_starts_with", text_starts_with),
    BINARY("^@", T, T, OID_BOOL, "text_starts_with", text_starts_with),
    SCALAR2("substr", T, I4, T, "text_substr2", text_substr),
    SCALAR3("substr", T, I4, I4, T, "text_substr3", text_substr),
    SCALAR2("substring", T, I4, T, "text_substr2", text_substr),
    SCALAR3("substring", T, I4, I4, T, "text_substr3", text_substr),
    SCALAR2("left", T, I4, T, "text_left", text_left),
    SCALAR2("right", T, I4, T, "text_right", text_right),
    SCALAR3("split_part", T, T, I4, T, "text_split_part", text_split_part),
    SCALAR1("ascii", T, I4, "text_ascii", text_ascii),
    SCALAR1("chr", I4, T, "text_chr", text_chr),
};

const struct func_rows types__text_funcs = {rows, ARRAY_LEN(rows)};
