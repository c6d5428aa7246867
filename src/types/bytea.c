/*
 * bytea: bytes, a BLOB in SQLite, whose own order of BLOBs (memcmp, then length) is PostgreSQL's.
 * Text comes in as hex (\x0aff) or in the older escape form (\\, \012), and goes out in
 * the one that bytea_output says.
 *
 * Also what turns bytes into text and back: encode, decode, and the digests, by OpenSSL.
 */
#include "types/zone.h"

#include <ctype.h>
#include <openssl/evp.h>

struct value types__bytes(const void *p, size_t n)
{
    return (struct value){.kind = VALUE_BLOB, .s = {p ? p : "", n}};
}

static struct error *too_large(void)
{
    return error_hint(error_new("54000", "a value of type bytea is too long"),
                      "A value has at most %d bytes.", TEXT_MAX_BYTES);
}

/* ---- hex ---------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    return isdigit((unsigned char)c)    ? c - '0'
           : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
                                        : -1;
}

static struct error *bad_digit(const char *s, size_t n)
{
    return error_new("22023", "invalid hexadecimal digit: \"%.*s\"",
                     (int)types__utf8_prefix(s, n, 1), s);
}

static struct error *hex_decode(const char *s, size_t n, struct arena *a, struct value *ret)
{
    char *p = arena_alloc(a, n / 2 + 1);
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (strchr(" \n\t\r", s[i]) && s[i])
            continue;
        int high = hex_digit(s[i]);
        if (high < 0)
            return bad_digit(s + i, n - i);
        if (++i == n)
            return error_new("22023", "invalid hexadecimal data: odd number of digits");
        int low = hex_digit(s[i]);
        if (low < 0)
            return bad_digit(s + i, n - i);
        p[len++] = (char)(high << 4 | low);
    }
    *ret = types__bytes(p, len);
    return NULL;
}

static void hex_encode(const char *s, size_t n, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    buf_reserve(out, n * 2);
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)s[i];
        const char pair[2] = {digits[c >> 4], digits[c & 15]};
        buf_append(out, pair, 2);
    }
}

/* ---- the escape form ------------------------------------------------------------------------ */

static bool is_octal(const char *s, size_t n)
{
    return n >= 3 && s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' &&
           s[2] <= '7';
}

static struct error *escape_decode(const char *s, size_t n, struct arena *a, struct value *ret)
{
    char *p = arena_alloc(a, n + 1);
    size_t len = 0;
    for (size_t i = 0; i < n;) {
        if (s[i] != '\\') {
            p[len++] = s[i++];
        } else if (is_octal(s + i + 1, n - i - 1)) {
            p[len++] = (char)((s[i + 1] - '0') << 6 | (s[i + 2] - '0') << 3 | (s[i + 3] - '0'));
            i += 4;
        } else if (i + 1 < n && s[i + 1] == '\\') {
            p[len++] = '\\';
            i += 2;
        } else {
            return error_new(E_BAD_TEXT, "invalid input syntax for type bytea");
        }
    }
    *ret = types__bytes(p, len);
    return NULL;
}

/* encode() leaves control characters as they are, output does not. */
static void escape(const char *s, size_t n, bool controls, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\\')
            buf_append(out, "\\\\", 2);
        else if (s[i] == 0 || (s[i] & 0x80) || (controls && (s[i] < ' ' || s[i] == 0x7f)))
            buf_printf(out, "\\%03o", (unsigned char)s[i]);
        else
            buf_append(out, &s[i], 1);
    }
}

static void escape_encode(const char *s, size_t n, struct buf *out)
{
    escape(s, n, false, out);
}

/* ---- base64 --------------------------------------------------------------------------------- */

enum { BASE64_LINE = 76 };

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void base64_encode(const char *s, size_t n, struct buf *out)
{
    size_t line = 0;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t group = (uint32_t)(unsigned char)s[i] << 16;
        group |= i + 1 < n ? (uint32_t)(unsigned char)s[i + 1] << 8 : 0;
        group |= i + 2 < n ? (unsigned char)s[i + 2] : 0;
        char four[4];
        for (int k = 0; k < 4; k++)
            four[k] = base64_digits[group >> (18 - 6 * k) & 63];
        if (i + 1 >= n)
            four[2] = '=';
        if (i + 2 >= n)
            four[3] = '=';
        if (line == BASE64_LINE) {
            buf_append(out, "\n", 1);
            line = 0;
        }
        buf_append(out, four, 4);
        line += 4;
    }
}

static struct error *bad_base64_end(void)
{
    return error_hint(error_new("22023", "invalid base64 end sequence"),
                      "Input data is missing padding, is truncated, or is otherwise corrupted.");
}

static struct error *base64_decode(const char *s, size_t n, struct arena *a, struct value *ret)
{
    char *p = arena_alloc(a, n / 4 * 3 + 4);
    size_t len = 0;
    uint32_t group = 0;
    int have = 0, ends = 0; /* digits in the group; `=` seen in it */
    for (size_t i = 0; i < n; i++) {
        if (s[i] && strchr(" \n\t\r", s[i]))
            continue;
        const char *digit = s[i] ? strchr(base64_digits, s[i]) : NULL;
        if (s[i] == '=') {
            if (!ends && have < 2)
                return error_new("22023", "unexpected \"=\" while decoding base64 sequence");
            ends++;
        } else if (!digit || ends) {
            return error_new("22023",
                             "invalid symbol \"%.*s\" found while decoding base64 sequence",
                             (int)types__utf8_prefix(s + i, n - i, 1), s + i);
        }
        group = group << 6 | (uint32_t)(digit ? digit - base64_digits : 0);
        if (++have < 4)
            continue;
        for (int k = 0; k < 3 - ends; k++)
            p[len++] = (char)(group >> (16 - 8 * k));
        group = 0;
        have = 0;
        if (ends)
            ends = 3; /* whatever else comes is an error */
    }
    if (have)
        return bad_base64_end();
    *ret = types__bytes(p, len);
    return NULL;
}

/* ---- the type's row ------------------------------------------------------------------------- */

struct error *types__bytea_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                 struct value *ret)
{
    (void)typmod;
    if (n > 2 * (size_t)TEXT_MAX_BYTES)
        return too_large();
    if (n >= 2 && s[0] == '\\' && s[1] == 'x')
        return hex_decode(s + 2, n - 2, a, ret);
    return escape_decode(s, n, a, ret);
}

void types__bytea_print(const struct value *v, int32_t typmod, struct buf *out)
{
    (void)typmod;
    buf_append(out, "\\x", 2);
    hex_encode(v->s.p, v->s.n, out);
}

void types__bytea_show(const struct value *v, int32_t typmod, struct buf *out)
{
    if (types__style()->escape)
        escape(v->s.p, v->s.n, true, out);
    else
        types__bytea_print(v, typmod, out);
}

struct error *types__bytea_recv(const char *s, size_t n, int32_t typmod, struct arena *a,
                                struct value *ret)
{
    (void)typmod;
    (void)a;
    *ret = types__bytes(s, n);
    return NULL;
}

void types__bytea_send(const struct value *v, int32_t typmod, struct buf *out)
{
    (void)typmod;
    buf_append(out, v->s.p, v->s.n);
}

/* ---- functions ------------------------------------------------------------------------------ */

static CALL(bytea_length)
{
    *ret = value_int((int64_t)v->s.n);
    return NULL;
}

static CALL(bytea_bit_length)
{
    *ret = value_int((int64_t)v->s.n * 8);
    return NULL;
}

static CALL(bytea_concat)
{
    if (v[0].s.n + v[1].s.n > TEXT_MAX_BYTES)
        return too_large();
    char *p = arena_alloc(a, v[0].s.n + v[1].s.n + 1);
    memcpy(p, v[0].s.p, v[0].s.n);
    memcpy(p + v[0].s.n, v[1].s.p, v[1].s.n);
    *ret = types__bytes(p, v[0].s.n + v[1].s.n);
    return NULL;
}

/* From position v[1] (counted from 1, may lie before the start) for v[2] bytes. */
static CALL(bytea_substr)
{
    int64_t length = (int64_t)v[0].s.n, from = v[1].i - 1, to = length;
    if (n == 3 && v[2].i < 0)
        return error_new("22011", "negative substring length not allowed");
    if (n == 3)
        to = MIN(from + v[2].i, length);
    from = MAX(from, 0);
    *ret = from < to ? types__bytes(v[0].s.p + from, (size_t)(to - from)) : types__bytes("", 0);
    return NULL;
}

static CALL(bytea_position)
{
    const char *at = memmem(v[0].s.p, v[0].s.n, v[1].s.p, v[1].s.n);
    *ret = value_int(at ? at - v[0].s.p + 1 : 0);
    return NULL;
}

static struct error *check_index(const struct value *v)
{
    if (v[1].i >= 0 && v[1].i < (int64_t)v[0].s.n)
        return NULL;
    return error_new("2202E", "index %lld out of valid range, 0..%lld", (long long)v[1].i,
                     (long long)v[0].s.n - 1);
}

static CALL(bytea_get_byte)
{
    TRY(check_index(v));
    *ret = value_int((unsigned char)v[0].s.p[v[1].i]);
    return NULL;
}

static CALL(bytea_set_byte)
{
    TRY(check_index(v));
    char *p = arena_alloc(a, v[0].s.n);
    memcpy(p, v[0].s.p, v[0].s.n);
    p[v[1].i] = (char)v[2].i;
    *ret = types__bytes(p, v[0].s.n);
    return NULL;
}

/* ---- to text and back ----------------------------------------------------------------------- */

static const struct coding {
    const char *name;
    void (*encode)(const char *s, size_t n, struct buf *out);
    struct error *(*decode)(const char *s, size_t n, struct arena *a, struct value *ret);
} codings[] = {
    {"hex", hex_encode, hex_decode},
    {"base64", base64_encode, base64_decode},
    {"escape", escape_encode, escape_decode},
};

static struct error *find_coding(const struct value *name, const struct coding **ret)
{
    for (size_t i = 0; i < ARRAY_LEN(codings); i++)
        if (strlen(codings[i].name) == name->s.n &&
            strncasecmp(codings[i].name, name->s.p, name->s.n) == 0) {
            *ret = &codings[i];
            return NULL;
        }
    return error_new("22023", "unrecognized encoding: \"%.*s\"", (int)MIN(name->s.n, 100),
                     name->s.p);
}

static CALL(bytea_encode)
{
    const struct coding *c = NULL;
    TRY(find_coding(&v[1], &c));
    if (v[0].s.n > TEXT_MAX_BYTES / 4)
        return too_large();
    _cleanup_(buf_done) struct buf text = {0};
    c->encode(v[0].s.p, v[0].s.n, &text);
    *ret = types__text_of(a, &text);
    return NULL;
}

static CALL(text_decode)
{
    const struct coding *c = NULL;
    TRY(find_coding(&v[1], &c));
    return c->decode(v[0].s.p, v[0].s.n, a, ret);
}

/* `which`: "source" or "destination" */
static struct error *find_encoding(const struct value *name, const char *which,
                                   const struct encoding **ret)
{
    *ret = encoding_find(name->s.p, name->s.n);
    if (!*ret)
        return error_new("22023", "invalid %s encoding name \"%.*s\"", which,
                         (int)MIN(name->s.n, 100), name->s.p);
    if (encoding_is_utf8(*ret) || encoding_is_known(*ret))
        return NULL;
    return error_hint(
        error_new(E_UNSUPPORTED, "the encoding \"%s\" is not supported", encoding_name(*ret)),
        "UTF8, those of one byte (LATIN1, WIN1252, ..), EUC_CN, EUC_JP, EUC_KR, GBK, UHC and SJIS "
        "are.");
}

/* Text of an encoding as UTF-8. */
static struct error *from_encoding(const struct encoding *e, const struct value *v, struct buf *out)
{
    if (v->s.n > TEXT_MAX_BYTES / 4)
        return too_large();
    if (!encoding_is_utf8(e) && memchr(v->s.p, 0, v->s.n))
        return error_new("22021", "invalid byte sequence for encoding \"%s\": 0x00",
                         encoding_name(e));
    if (!encoding_is_utf8(e))
        return encoding_to_utf8(e, v->s.p, v->s.n, NULL, out);
    TRY(types__utf8_check(v->s.p, v->s.n));
    buf_append(out, v->s.p, v->s.n);
    return NULL;
}

static struct error *to_encoding(const struct encoding *e, const char *p, size_t n, struct arena *a,
                                 struct value *ret)
{
    _cleanup_(buf_done) struct buf out = {0};
    if (encoding_is_utf8(e))
        buf_append(&out, p, n);
    else
        TRY(encoding_from_utf8(e, p, n, false, &out));
    *ret = types__bytes(arena_strndup(a, out.data ? out.data : "", out.len), out.len);
    return NULL;
}

static CALL(convert_from)
{
    const struct encoding *from;
    _cleanup_(buf_done) struct buf text = {0};
    TRY(find_encoding(&v[1], "source", &from));
    TRY(from_encoding(from, &v[0], &text));
    *ret = types__text_of(a, &text);
    return NULL;
}

static CALL(convert_to)
{
    const struct encoding *to;
    TRY(find_encoding(&v[1], "destination", &to));
    return to_encoding(to, v[0].s.p, v[0].s.n, a, ret);
}

static CALL(convert)
{
    const struct encoding *from, *to;
    _cleanup_(buf_done) struct buf text = {0};
    TRY(find_encoding(&v[1], "source", &from));
    TRY(find_encoding(&v[2], "destination", &to));
    TRY(from_encoding(from, &v[0], &text));
    return to_encoding(to, text.data ? text.data : "", text.len, a, ret);
}

/* ---- digests -------------------------------------------------------------------------------- */

struct error *types__digest(const void *p, size_t n, const EVP_MD *kind, unsigned char *out,
                            unsigned *ret_len)
{
    if (!EVP_Digest(p, n, out, ret_len, kind, NULL))
        return error_new(E_INTERNAL, "could not compute a digest");
    return NULL;
}

static CALL(md5_hex)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    TRY(types__digest(v->s.p, v->s.n, EVP_md5(), sum, &len));
    _cleanup_(buf_done) struct buf text = {0};
    hex_encode((const char *)sum, len, &text);
    *ret = types__text_of(a, &text);
    return NULL;
}

static struct error *sha(const struct value *v, const EVP_MD *kind, struct arena *a,
                         struct value *ret)
{
    unsigned char *sum = arena_alloc(a, EVP_MAX_MD_SIZE);
    unsigned len = 0;
    TRY(types__digest(v->s.p, v->s.n, kind, sum, &len));
    *ret = types__bytes(sum, len);
    return NULL;
}

static CALL(sha224)
{
    return sha(v, EVP_sha224(), a, ret);
}

static CALL(sha256)
{
    return sha(v, EVP_sha256(), a, ret);
}

static CALL(sha384)
{
    return sha(v, EVP_sha384(), a, ret);
}

static CALL(sha512)
{
    return sha(v, EVP_sha512(), a, ret);
}

/* ---- rows ----------------------------------------------------------------------------------- */

#define B OID_BYTEA
#define T OID_TEXT
#define I4 OID_INT4

static const struct func rows[] = {
    SCALAR1_EMIT("length", B, I4, "length($1)", bytea_length),
    SCALAR1_EMIT("octet_length", B, I4, "length($1)", bytea_length),
    SCALAR1("bit_length", B, I4, "bytea_bit_length", bytea_bit_length),
    BINARY("||", B, B, B, "bytea_concat", bytea_concat),
    SCALAR2("substr", B, I4, B, "bytea_substr2", bytea_substr),
    SCALAR3("substr", B, I4, I4, B, "bytea_substr3", bytea_substr),
    SCALAR2("substring", B, I4, B, "bytea_substr2", bytea_substr),
    SCALAR3("substring", B, I4, I4, B, "bytea_substr3", bytea_substr),
    SCALAR2("position", B, B, I4, "bytea_position", bytea_position),
    SCALAR2("get_byte", B, I4, I4, "bytea_get_byte", bytea_get_byte),
    SCALAR3("set_byte", B, I4, I4, B, "bytea_set_byte", bytea_set_byte),
    SCALAR2("encode", B, T, T, "bytea_encode", bytea_encode),
    SCALAR2("decode", T, T, B, "text_decode", text_decode),
    SCALAR2("convert_from", B, OID_NAME, T, "convert_from", convert_from),
    SCALAR2("convert_to", T, OID_NAME, B, "convert_to", convert_to),
    SCALAR3("convert", B, OID_NAME, OID_NAME, B, "convert", convert),
    SCALAR1("md5", T, T, "md5_text", md5_hex),
    SCALAR1("md5", B, T, "md5_bytea", md5_hex),
    SCALAR1("sha224", B, B, "sha224", sha224),
    SCALAR1("sha256", B, B, "sha256", sha256),
    SCALAR1("sha384", B, B, "sha384", sha384),
    SCALAR1("sha512", B, B, "sha512", sha512),
};

const struct func_rows types__bytea_funcs = {rows, ARRAY_LEN(rows)};
