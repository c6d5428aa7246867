/*
 * LIKE and ILIKE: % any run, _ one character, backslash takes the next character literally. ILIKE
 * folds ASCII letters only, as PostgreSQL does in collation C.
 *
 * A backtracking matcher needs to remember only the last %: what matched before it need not be
 * tried again, since a later % can absorb whatever an earlier one could. So the time is bounded by
 * length x pattern, whatever the pattern.
 */
#include "types/types_int.h"

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* What _ takes: a byte of a bytea, or a character */
static size_t char_bytes(const char *s, const char *end, enum value_kind kind)
{
    size_t n = 1;
    if (kind == VALUE_BLOB)
        return n;
    while (s + n < end && (s[n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* Does one step of the pattern at p match at s? Advances both. Never called on '%'. */
static bool match_one(const char **p, const char *p_end, const char **s, const char *s_end,
                      enum value_kind kind, bool ignore_case)
{
    if (*s == s_end)
        return false;
    if (**p == '_') {
        (*p)++;
        *s += char_bytes(*s, s_end, kind);
        return true;
    }
    const char *literal = **p == '\\' && *p + 1 < p_end ? *p + 1 : *p;
    if (*literal != **s && !(ignore_case && fold(*literal) == fold(**s)))
        return false;
    *p = literal + 1;
    (*s)++;
    return true;
}

/* A lone backslash at the end of the pattern is an error where the match reaches it. */
static bool lone_escape(const char *p, const char *p_end)
{
    return p + 1 == p_end && *p == '\\';
}

static struct error *like(const struct value *v, bool ignore_case, bool *ret_match)
{
    const char *s = v[0].s.p, *s_end = s + v[0].s.n;
    const char *p = v[1].s.p, *p_end = p + v[1].s.n;
    const char *retry_p = NULL, *retry_s = NULL;
    for (;;) {
        bool any = p < p_end && *p == '%';
        if (any) {
            while (p < p_end && *p == '%')
                p++;
            retry_p = p;
            retry_s = s;
        }
        *ret_match = p == p_end && (any || s == s_end);
        if (*ret_match)
            return NULL;
        if (lone_escape(p, p_end) && s < s_end)
            return error_new("22025", "LIKE pattern must not end with escape character");
        if (p < p_end && match_one(&p, p_end, &s, s_end, v[0].kind, ignore_case))
            continue;
        if (!retry_p || retry_s == s_end)
            return NULL;
        retry_s += char_bytes(retry_s, s_end, v[0].kind);
        p = retry_p;
        s = retry_s;
    }
}

#define DEFINE_LIKE(name, ignore_case, expected)                                                   \
    static CALL(name)                                                                              \
    {                                                                                              \
        bool match = false;                                                                        \
        TRY(like(v, ignore_case, &match));                                                         \
        *ret = value_int(match == expected);                                                       \
        return NULL;                                                                               \
    }

DEFINE_LIKE(text_like, false, true)
DEFINE_LIKE(text_not_like, false, false)
DEFINE_LIKE(text_ilike, true, true)
DEFINE_LIKE(text_not_ilike, true, false)

/* like_escape(pattern, escape): the pattern as it would be written with backslash */
static CALL(like_escape)
{
    const char *p = v[0].s.p, *end = p + v[0].s.n, *e = v[1].s.p;
    size_t e_len = v[1].s.n;
    if (e_len && char_bytes(e, e + e_len, v[0].kind) != e_len)
        return error_hint(error_new("22025", "invalid escape string"),
                          "Escape string must be empty or one character.");
    if (e_len == 1 && *e == '\\') {
        *ret = v[0];
        return NULL;
    }
    _cleanup_(buf_done) struct buf out = {0};
    while (p < end) {
        size_t len = char_bytes(p, end, v[0].kind);
        if (e_len && len == e_len && memcmp(p, e, len) == 0) {
            buf_append(&out, "\\", 1);
            p += len;
            if (p == end)
                break;
            len = char_bytes(p, end, v[0].kind);
        } else if (*p == '\\') {
            buf_append(&out, "\\", 1);
        }
        buf_append(&out, p, len);
        p += len;
    }
    *ret = types__text_of(a, &out);
    ret->kind = v[0].kind;
    return NULL;
}

/* char(n) is seen with its blanks here: 'ab'::char(3) LIKE 'ab' is false. */
#define LIKE_ROWS(op, fn)                                                                          \
    BINARY(op, OID_TEXT, OID_TEXT, OID_BOOL, #fn, fn),                                             \
        BINARY(op, OID_NAME, OID_TEXT, OID_BOOL, #fn, fn),                                         \
    {                                                                                              \
        .name = op, .kind = FUNC_OPERATOR, .nargs = 2, .args = {OID_BPCHAR, OID_TEXT},             \
        .result = OID_BOOL, .strict = true, .sqlite_name = #fn, .call = fn                         \
    }

static const struct func rows[] = {
    LIKE_ROWS("~~", text_like),
    LIKE_ROWS("!~~", text_not_like),
    LIKE_ROWS("~~*", text_ilike),
    LIKE_ROWS("!~~*", text_not_ilike),
    SCALAR2("like", OID_TEXT, OID_TEXT, OID_BOOL, "text_like", text_like),
    SCALAR2("notlike", OID_TEXT, OID_TEXT, OID_BOOL, "text_not_like", text_not_like),
    SCALAR2("like_escape", OID_TEXT, OID_TEXT, OID_TEXT, "like_escape", like_escape),
    BINARY("~~", OID_BYTEA, OID_BYTEA, OID_BOOL, "bytea_like", text_like),
    BINARY("!~~", OID_BYTEA, OID_BYTEA, OID_BOOL, "bytea_not_like", text_not_like),
    SCALAR2("like", OID_BYTEA, OID_BYTEA, OID_BOOL, "bytea_like", text_like),
    SCALAR2("notlike", OID_BYTEA, OID_BYTEA, OID_BOOL, "bytea_not_like", text_not_like),
    SCALAR2("like_escape", OID_BYTEA, OID_BYTEA, OID_BYTEA, "bytea_like_escape", like_escape),
};

const struct func_rows types__like_funcs = {rows, ARRAY_LEN(rows)};
