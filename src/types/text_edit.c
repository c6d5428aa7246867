/*
 * Text functions that make new text. Lengths that a caller can choose (repeat, lpad, replace) are
 * checked against TEXT_MAX_BYTES before anything is allocated.
 */
#include "types/types_int.h"

static struct error *too_large(void)
{
    return error_new("54000", "requested length too large");
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_alnum(char c)
{
    return is_upper(c) || is_lower(c) || (c >= '0' && c <= '9');
}

/* ---- case ---- */

static CALL(text_lower)
{
    char *p = arena_strndup(a, v->s.p, v->s.n);
    for (size_t i = 0; i < v->s.n; i++)
        if (is_upper(p[i]))
            p[i] = (char)(p[i] + ('a' - 'A'));
    *ret = value_text(p, v->s.n);
    return NULL;
}

static CALL(text_upper)
{
    char *p = arena_strndup(a, v->s.p, v->s.n);
    for (size_t i = 0; i < v->s.n; i++)
        if (is_lower(p[i]))
            p[i] = (char)(p[i] - ('a' - 'A'));
    *ret = value_text(p, v->s.n);
    return NULL;
}

static CALL(text_initcap)
{
    char *p = arena_strndup(a, v->s.p, v->s.n);
    bool inside = false;
    for (size_t i = 0; i < v->s.n; i++) {
        if (inside && is_upper(p[i]))
            p[i] = (char)(p[i] + ('a' - 'A'));
        else if (!inside && is_lower(p[i]))
            p[i] = (char)(p[i] - ('a' - 'A'));
        inside = is_alnum(p[i]);
    }
    *ret = value_text(p, v->s.n);
    return NULL;
}

/* ---- joining ---- */

CALL(types__text_concat2)
{
    size_t len = v[0].s.n + v[1].s.n;
    if (len > TEXT_MAX_BYTES)
        return too_large();
    char *p = arena_alloc(a, len + 1);
    memcpy(p, v[0].s.p, v[0].s.n);
    memcpy(p + v[0].s.n, v[1].s.p, v[1].s.n);
    *ret = value_text(p, len);
    return NULL;
}

/* In SQL true || 'x' casts ('truex'), while concat() prints ('tx'). */
static CALL(bool_concat_text)
{
    struct value args[2] = {v[0].i ? value_text("true", 4) : value_text("false", 5), v[1]};
    return types__text_concat2(args, 2, a, ret);
}

static CALL(text_concat_bool)
{
    struct value args[2] = {v[0], v[1].i ? value_text("true", 4) : value_text("false", 5)};
    return types__text_concat2(args, 2, a, ret);
}

static struct error *join(const struct value *separator, const struct value *v, int n,
                          struct arena *a, struct value *ret)
{
    _cleanup_(buf_done) struct buf out = {0};
    bool first = true;
    for (int i = 0; i < n; i++) {
        if (v[i].kind == VALUE_NULL)
            continue;
        if (out.len + v[i].s.n + (separator ? separator->s.n : 0) > TEXT_MAX_BYTES)
            return too_large();
        if (!first && separator)
            buf_append(&out, separator->s.p, separator->s.n);
        buf_append(&out, v[i].s.p, v[i].s.n);
        first = false;
    }
    *ret = types__text_of(a, &out);
    return NULL;
}

static CALL(text_concat)
{
    return join(NULL, v, n, a, ret);
}

static CALL(text_concat_ws)
{
    if (v[0].kind == VALUE_NULL) {
        *ret = v[0];
        return NULL;
    }
    return join(&v[0], v + 1, n - 1, a, ret);
}

/* ---- repeating, padding, replacing ---- */

static CALL(text_repeat)
{
    size_t times = v[1].i > 0 ? (size_t)v[1].i : 0;
    if (v[0].s.n && times > TEXT_MAX_BYTES / v[0].s.n)
        return too_large();
    char *p = arena_alloc(a, v[0].s.n * times + 1);
    for (size_t i = 0; v[0].s.n && i < times; i++)
        memcpy(p + i * v[0].s.n, v[0].s.p, v[0].s.n);
    *ret = value_text(p, v[0].s.n * times);
    return NULL;
}

static struct error *pad(const struct value *v, int n, bool left, struct arena *a,
                         struct value *ret)
{
    struct value fill = n == 3 ? v[2] : value_text(" ", 1);
    if (v[1].i > TEXT_MAX_BYTES / 4)
        return too_large();
    size_t want = v[1].i > 0 ? (size_t)v[1].i : 0;
    size_t have = types__utf8_length(v[0].s.p, v[0].s.n);
    if (have >= want || fill.s.n == 0) {
        *ret = value_text(v[0].s.p, types__utf8_prefix(v[0].s.p, v[0].s.n, want));
        return NULL;
    }
    _cleanup_(buf_done) struct buf out = {0};
    if (!left)
        buf_append(&out, v[0].s.p, v[0].s.n);
    size_t missing = want - have, unit = types__utf8_length(fill.s.p, fill.s.n);
    for (; missing >= unit; missing -= unit)
        buf_append(&out, fill.s.p, fill.s.n);
    buf_append(&out, fill.s.p, types__utf8_prefix(fill.s.p, fill.s.n, missing));
    if (left)
        buf_append(&out, v[0].s.p, v[0].s.n);
    *ret = types__text_of(a, &out);
    return NULL;
}

static CALL(text_lpad)
{
    return pad(v, n, true, a, ret);
}

static CALL(text_rpad)
{
    return pad(v, n, false, a, ret);
}

static CALL(text_replace)
{
    if (v[1].s.n == 0) {
        *ret = v[0];
        return NULL;
    }
    _cleanup_(buf_done) struct buf out = {0};
    const char *p = v[0].s.p, *end = p + v[0].s.n, *at;
    while ((at = memmem(p, (size_t)(end - p), v[1].s.p, v[1].s.n))) {
        if (out.len + (size_t)(at - p) + v[2].s.n > TEXT_MAX_BYTES)
            return too_large();
        buf_append(&out, p, (size_t)(at - p));
        buf_append(&out, v[2].s.p, v[2].s.n);
        p = at + v[1].s.n;
    }
    buf_append(&out, p, (size_t)(end - p));
    *ret = types__text_of(a, &out);
    return NULL;
}

static size_t char_bytes(const char *s, size_t n)
{
    return types__utf8_prefix(s, n, 1);
}

/* Byte offset of the index-th character that equals the one at c; the count of characters before.
 */
static bool char_index(const struct value *set, const char *c, size_t c_len, size_t *ret_index)
{
    size_t index = 0;
    for (size_t i = 0, len; i < set->s.n; i += len, index++) {
        len = char_bytes(set->s.p + i, set->s.n - i);
        if (len == c_len && memcmp(set->s.p + i, c, len) == 0) {
            *ret_index = index;
            return true;
        }
    }
    return false;
}

static CALL(text_translate)
{
    _cleanup_(buf_done) struct buf out = {0};
    for (size_t i = 0, len, index; i < v[0].s.n; i += len) {
        const char *c = v[0].s.p + i;
        len = char_bytes(c, v[0].s.n - i);
        if (!char_index(&v[1], c, len, &index)) {
            buf_append(&out, c, len);
            continue;
        }
        size_t skip = types__utf8_prefix(v[2].s.p, v[2].s.n, index);
        buf_append(&out, v[2].s.p + skip, char_bytes(v[2].s.p + skip, v[2].s.n - skip));
    }
    *ret = types__text_of(a, &out);
    return NULL;
}

static CALL(text_reverse)
{
    char *p = arena_alloc(a, v->s.n + 1), *end = p + v->s.n;
    for (size_t i = 0, len; i < v->s.n; i += len) {
        len = char_bytes(v->s.p + i, v->s.n - i);
        end -= len;
        memcpy(end, v->s.p + i, len);
    }
    *ret = value_text(p, v->s.n);
    return NULL;
}

/* ---- trimming a set of characters ---- */

static struct value trim(const struct value *v, int n, bool left, bool right)
{
    struct value blank = value_text(" ", 1);
    const struct value *set = n == 2 ? &v[1] : &blank;
    const char *p = v[0].s.p, *end = p + v[0].s.n;
    size_t unused;
    while (left && p < end) {
        size_t len = char_bytes(p, (size_t)(end - p));
        if (!char_index(set, p, len, &unused))
            break;
        p += len;
    }
    while (right && p < end) {
        const char *last = end - 1;
        while (last > p && (*last & 0xc0) == 0x80)
            last--;
        if (!char_index(set, last, (size_t)(end - last), &unused))
            break;
        end = last;
    }
    return value_text(p, (size_t)(end - p));
}

static CALL(text_btrim)
{
    *ret = trim(v, n, true, true);
    return NULL;
}

static CALL(text_ltrim)
{
    *ret = trim(v, n, true, false);
    return NULL;
}

static CALL(text_rtrim)
{
    *ret = trim(v, n, false, true);
    return NULL;
}

/* ---- quoting ---- */

static CALL(quote_literal)
{
    _cleanup_(buf_done) struct buf out = {0};
    if (memchr(v->s.p, '\\', v->s.n))
        buf_puts(&out, "E");
    buf_puts(&out, "'");
    for (size_t i = 0; i < v->s.n; i++) {
        if (v->s.p[i] == '\'' || v->s.p[i] == '\\')
            buf_append(&out, &v->s.p[i], 1);
        buf_append(&out, &v->s.p[i], 1);
    }
    buf_puts(&out, "'");
    *ret = types__text_of(a, &out);
    return NULL;
}

static CALL(quote_bool)
{
    *ret = v->i ? value_text("'true'", 6) : value_text("'false'", 7);
    return NULL;
}

static CALL(quote_nullable)
{
    if (v->kind == VALUE_NULL) {
        *ret = value_text("NULL", 4);
        return NULL;
    }
    return quote_literal(v, n, a, ret);
}

static struct value without_blanks(const struct value *v)
{
    return v->kind == VALUE_NULL ? *v : value_text(v->s.p, types__rtrim_blanks(v->s.p, v->s.n));
}

static CALL(quote_bpchar)
{
    struct value text = without_blanks(v);
    return quote_literal(&text, n, a, ret);
}

static CALL(quote_nullable_bpchar)
{
    struct value text = without_blanks(v);
    return quote_nullable(&text, n, a, ret);
}

static CALL(quote_nullable_bool)
{
    return v->kind == VALUE_NULL ? quote_nullable(v, n, a, ret) : quote_bool(v, n, a, ret);
}

/* ---- rows ---- */

/* Both quote what a cast to text gives, and so not the blanks of a char(n), and the whole word of a
 * bool. */
#define QUOTE_NULLABLE(type, sql, fn)                                                              \
    {                                                                                              \
        .name = "quote_nullable", .kind = FUNC_SCALAR, .nargs = 1, .args = {type}, .result = T,    \
        .sqlite_name = sql, .call = fn                                                             \
    }

#define T OID_TEXT
#define I4 OID_INT4
#define ANY OID_ANY

static const struct func rows[] = {
    SCALAR1_EMIT("lower", T, T, "lower($1)", text_lower),
    SCALAR1_EMIT("upper", T, T, "upper($1)", text_upper),
    SCALAR1("initcap", T, T, "text_initcap", text_initcap),
    BINARY_EMIT("||", T, T, T, "($1 || $2)", types__text_concat2),
    BINARY_EMIT("||", OID_ANYNONARRAY, T, T, "($1 || $2)", types__text_concat2),
    BINARY_EMIT("||", T, OID_ANYNONARRAY, T, "($1 || $2)", types__text_concat2),
    BINARY("||", OID_BOOL, T, T, "bool_concat_text", bool_concat_text),
    BINARY("||", T, OID_BOOL, T, "text_concat_bool", text_concat_bool),
    SCALAR2_EMIT("textcat", T, T, T, "($1 || $2)", types__text_concat2),
    {.name = "concat",
     .kind = FUNC_SCALAR,
     .nargs = 1,
     .args = {ANY},
     .variadic = true,
     .result = T,
     .sqlite_name = "text_concat",
     .call = text_concat},
    {.name = "concat_ws",
     .kind = FUNC_SCALAR,
     .nargs = 2,
     .args = {T, ANY},
     .variadic = true,
     .result = T,
     .sqlite_name = "text_concat_ws",
     .call = text_concat_ws},
    SCALAR2("repeat", T, I4, T, "text_repeat", text_repeat),
    SCALAR2("lpad", T, I4, T, "text_lpad2", text_lpad),
    SCALAR3("lpad", T, I4, T, T, "text_lpad3", text_lpad),
    SCALAR2("rpad", T, I4, T, "text_rpad2", text_rpad),
    SCALAR3("rpad", T, I4, T, T, "text_rpad3", text_rpad),
    SCALAR3("replace", T, T, T, T, "text_replace", text_replace),
    SCALAR3("translate", T, T, T, T, "text_translate", text_translate),
    SCALAR1("reverse", T, T, "text_reverse", text_reverse),
    SCALAR1_EMIT("btrim", T, T, "trim($1)", text_btrim),
    SCALAR2_EMIT("btrim", T, T, T, "trim($1, $2)", text_btrim),
    SCALAR1_EMIT("ltrim", T, T, "ltrim($1)", text_ltrim),
    SCALAR2_EMIT("ltrim", T, T, T, "ltrim($1, $2)", text_ltrim),
    SCALAR1_EMIT("rtrim", T, T, "rtrim($1)", text_rtrim),
    SCALAR2_EMIT("rtrim", T, T, T, "rtrim($1, $2)", text_rtrim),
    SCALAR1("quote_literal", T, T, "quote_literal", quote_literal),
    SCALAR1("quote_literal", OID_BPCHAR, T, "quote_bpchar", quote_bpchar),
    SCALAR1("quote_literal", OID_BOOL, T, "quote_bool", quote_bool),
    SCALAR1("quote_literal", ANY, T, "quote_literal", quote_literal),
    QUOTE_NULLABLE(T, "quote_nullable", quote_nullable),
    QUOTE_NULLABLE(OID_BPCHAR, "quote_nullable_bpchar", quote_nullable_bpchar),
    QUOTE_NULLABLE(OID_BOOL, "quote_nullable_bool", quote_nullable_bool),
    QUOTE_NULLABLE(ANY, "quote_nullable", quote_nullable),
};

const struct func_rows types__edit_funcs = {rows, ARRAY_LEN(rows)};
