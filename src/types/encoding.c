/*
 * Character encodings: PostgreSQL's names and numbers of them, and what their bytes mean.
 *
 * All text here is UTF-8. Another encoding is one that a client speaks (gateway/), or that
 * convert_from() and its kin are asked for. Those of one byte, and some of more, are tables that
 * iconv fills when they are first needed: what each byte or pair alone is, so that it never puts
 * characters together. Where its tables and PostgreSQL's differ is told below; encodings where they
 * differ much are not known here.
 */
#include "types/types_int.h"

#include <ctype.h>
#include <iconv.h>
#include <stdatomic.h>

enum { UPPER = 128, PAIRS = UPPER * 256, CHARACTERS = 0x10000 };

/* 0: there is none. */
struct charmap {
    uint16_t single[UPPER]; /* characters of bytes from 128 on */
    uint16_t *pairs;        /* [first - 128 and second byte]; NULL: it has one byte */
    uint16_t *triples;      /* the same of those behind 0x8f */
    /* Of characters: a byte; or the first of two above the second; or of those behind 0x8f the
     * same, without the highest bit. */
    uint16_t codes[CHARACTERS];
};

enum form {
    UNKNOWN,
    ONE_BYTE,
    EUC,       /* pairs of upper bytes, none below 0xa1 */
    EUC_3,     /* also pairs behind a byte 0x8f: three bytes */
    TWO_BYTES, /* any second byte */
    SHIFTED    /* SJIS: single bytes, too */
};

struct encoding {
    const char *name;
    const char *iconv;
    enum form form;
    const char *other; /* further names, as simple() makes them: " a b " */
};

/* By PostgreSQL's numbers. */
static const struct encoding encodings[] = {
    {"SQL_ASCII", NULL, UNKNOWN, " "},
    {"EUC_JP", "EUC-JP-MS", EUC_3, " "},
    {"EUC_CN", "EUC-CN", EUC, " "},
    {"EUC_KR", "EUC-KR", EUC, " "},
    {"EUC_TW", NULL, UNKNOWN, " "},
    {"EUC_JIS_2004", NULL, UNKNOWN, " "},
    {"UTF8", NULL, UNKNOWN, " unicode "},
    {"MULE_INTERNAL", NULL, UNKNOWN, " "},
    {"LATIN1", "ISO-8859-1", ONE_BYTE, " iso88591 "},
    {"LATIN2", "ISO-8859-2", ONE_BYTE, " iso88592 "},
    {"LATIN3", "ISO-8859-3", ONE_BYTE, " iso88593 "},
    {"LATIN4", "ISO-8859-4", ONE_BYTE, " iso88594 "},
    {"LATIN5", "ISO-8859-9", ONE_BYTE, " iso88599 "},
    {"LATIN6", "ISO-8859-10", ONE_BYTE, " iso885910 "},
    {"LATIN7", "ISO-8859-13", ONE_BYTE, " iso885913 "},
    {"LATIN8", "ISO-8859-14", ONE_BYTE, " iso885914 "},
    {"LATIN9", "ISO-8859-15", ONE_BYTE, " iso885915 "},
    {"LATIN10", "ISO-8859-16", ONE_BYTE, " iso885916 "},
    {"WIN1256", "CP1256", ONE_BYTE, " windows1256 "},
    {"WIN1258", "CP1258", ONE_BYTE, " windows1258 abc tcvn tcvn5712 vscii "},
    {"WIN866", "CP866", ONE_BYTE, " windows866 alt "},
    {"WIN874", "CP874", ONE_BYTE, " windows874 "},
    {"KOI8R", "KOI8-R", ONE_BYTE, " koi8 "},
    {"WIN1251", "CP1251", ONE_BYTE, " windows1251 win "},
    {"WIN1252", "CP1252", ONE_BYTE, " windows1252 "},
    {"ISO_8859_5", "ISO-8859-5", ONE_BYTE, " "},
    {"ISO_8859_6", "ISO-8859-6", ONE_BYTE, " "},
    {"ISO_8859_7", "ISO-8859-7", ONE_BYTE, " "},
    {"ISO_8859_8", "ISO-8859-8", ONE_BYTE, " "},
    {"WIN1250", "CP1250", ONE_BYTE, " windows1250 "},
    {"WIN1253", "CP1253", ONE_BYTE, " windows1253 "},
    {"WIN1254", "CP1254", ONE_BYTE, " windows1254 "},
    {"WIN1255", "CP1255", ONE_BYTE, " windows1255 "},
    {"WIN1257", "CP1257", ONE_BYTE, " windows1257 "},
    {"KOI8U", "KOI8-U", ONE_BYTE, " "},
    {"SJIS", "CP932", SHIFTED, " mskanji shiftjis win932 windows932 "},
    {"BIG5", NULL, UNKNOWN, " win950 windows950 "},
    {"GBK", "GBK", TWO_BYTES, " win936 windows936 "},
    {"UHC", "UHC", TWO_BYTES, " win949 windows949 "},
    {"GB18030", NULL, UNKNOWN, " "},
    {"JOHAB", NULL, UNKNOWN, " "},
    {"SHIFT_JIS_2004", NULL, UNKNOWN, " "},
};
static _Atomic(struct charmap *) charmaps[ARRAY_LEN(encodings)]; /* made when needed; they stay */

/* ---- names ---------------------------------------------------------------------------------- */

enum { SIMPLE_MAX = 64 };

/* Small letters and digits alone. */
static size_t simple(const char *name, size_t n, char *ret)
{
    size_t to = 0;
    for (size_t i = 0; i < n && to < SIMPLE_MAX; i++)
        if (isalnum((unsigned char)name[i]))
            ret[to++] = (char)tolower((unsigned char)name[i]);
    ret[to] = 0;
    return to;
}

const struct encoding *encoding_find(const char *name, size_t n)
{
    char wanted[SIMPLE_MAX + 3] = " ", has[SIMPLE_MAX + 1];
    size_t len = simple(name, n, wanted + 1);
    if (len == 0 || len == SIMPLE_MAX)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(encodings); i++) {
        const struct encoding *e = &encodings[i];
        simple(e->name, strlen(e->name), has);
        wanted[len + 1] = 0;
        if (strcmp(has, wanted + 1) == 0)
            return e;
        wanted[len + 1] = ' ';
        if (strstr(e->other, wanted))
            return e;
    }
    return NULL;
}

const struct encoding *encoding_by_number(int64_t number)
{
    return number >= 0 && number < (int64_t)ARRAY_LEN(encodings) ? &encodings[number] : NULL;
}

int encoding_number(const struct encoding *e)
{
    return (int)(e - encodings);
}

const char *encoding_name(const struct encoding *e)
{
    return e->name;
}

bool encoding_is_utf8(const struct encoding *e)
{
    return e == encoding_by_number(6);
}

/* ---- tables --------------------------------------------------------------------------------- */

/* What the bytes are, when they are one character of the first plane. */
static bool learn_one(iconv_t to_utf8, char *in, size_t n, uint16_t *ret)
{
    char out[16], *to = out;
    size_t room = sizeof(out);
    uint32_t character;
    iconv(to_utf8, NULL, NULL, NULL, NULL);
    if (iconv(to_utf8, &in, &n, &to, &room) == (size_t)-1 ||
        iconv(to_utf8, NULL, NULL, &to, &room) == (size_t)-1 || room == sizeof(out))
        return false;
    size_t len = sizeof(out) - room;
    if (types__utf8_decode(out, len, &character) != len || character >= CHARACTERS)
        return false;
    *ret = (uint16_t)character;
    return true;
}

/* Can these bytes be one character, whether or not there is one? */
static bool is_form(enum form form, const uint8_t *p, size_t n)
{
    bool euc = p[n - 1] >= 0xa1 && p[n - 1] < 0xff && p[n - 2] >= 0xa1 && p[n - 2] < 0xff;
    switch (form) {
    case EUC_3:
        return euc || (n == 2 && p[0] == 0x8e && p[1] >= 0xa1 && p[1] <= 0xdf);
    case EUC:
        return euc;
    case SHIFTED:
        return ((p[0] >= 0x81 && p[0] <= 0x9f) || (p[0] >= 0xe0 && p[0] <= 0xfc)) && p[1] >= 0x40 &&
               p[1] <= 0xfc && p[1] != 0x7f;
    default:
        return p[1] != 0;
    }
}

/* The same character twice: the first code counts, but that PostgreSQL takes IBM's for most of
 * those that SJIS has twice. */
static void learn_code(struct charmap *m, uint16_t character, uint16_t code, enum form form)
{
    bool of_ibm = form == SHIFTED && code >= 0xfa40 && code != 0xfa54 && code != 0xfa5b;
    if (!m->codes[character] || of_ibm)
        m->codes[character] = code;
}

/* Two bytes, or three. */
static void learn_more(struct charmap *m, iconv_t to_utf8, enum form form, char *p, size_t n)
{
    uint8_t first = (uint8_t)p[n - 2], second = (uint8_t)p[n - 1];
    uint16_t character = 0, code = (uint16_t)(first << 8 | second);
    bool leads = first > 0x80 && first < 0xff && second >= 0x30;
    if (!leads || !is_form(form, (const uint8_t *)p, n) || !learn_one(to_utf8, p, n, &character))
        return;
    if (character >= 0xe000 && character < 0xf900) /* everybody's own: PostgreSQL has none there */
        return;
    if (n == 3 && code == 0xa2b7) /* nor has it this one */
        return;
    (n == 3 ? m->triples : m->pairs)[(first - UPPER) * 256 + second] = character;
    learn_code(m, character, n == 3 ? code & 0x7fff : code, form);
}

/* What PostgreSQL has and iconv has not: rows for everybody's own, and signs; most of these it only
 * makes, and reads back as others. */
static void learn_rest(struct charmap *m, const struct encoding *e)
{
    static const struct {
        const char *encoding;
        uint16_t character, code;
        uint8_t n; /* as many more */
        bool read;
    } rest[] = {{"UHC", 0xe000, 0xc9a1, 93, true},  {"UHC", 0xe05e, 0xfea1, 93, true},
                {"UHC", 0x327e, 0xa2e8, 0, true},   {"GBK", 0x20ac, 0x80, 0, false},
                {"EUC_JP", 0xa6, 0x22c3, 0, false}, {"SJIS", 0xa2, 0x8191, 0, false},
                {"SJIS", 0xa3, 0x8192, 0, false},   {"SJIS", 0xa5, 0x5c, 0, false},
                {"SJIS", 0xac, 0x81ca, 0, false},   {"SJIS", 0x2016, 0x8161, 0, false},
                {"SJIS", 0x203e, 0x7e, 0, false},   {"SJIS", 0x2212, 0x817c, 0, false},
                {"SJIS", 0x301c, 0x8160, 0, false}};
    for (size_t i = 0; i < ARRAY_LEN(rest); i++)
        for (int k = 0; strcmp(rest[i].encoding, e->name) == 0 && k <= rest[i].n; k++) {
            uint16_t character = (uint16_t)(rest[i].character + k),
                     code = (uint16_t)(rest[i].code + k);
            m->codes[character] = code;
            if (rest[i].read)
                m->pairs[((code >> 8) - UPPER) * 256 + (code & 255)] = character;
        }
}

static struct charmap *learn(const struct encoding *e)
{
    iconv_t to_utf8 = iconv_open("UTF-8", e->iconv);
    if (to_utf8 == (iconv_t)-1)
        return NULL;
    struct charmap *m = NEW(struct charmap);
    for (int i = UPPER; i < 256 && (e->form == ONE_BYTE || e->form == SHIFTED); i++) {
        char in = (char)i;
        if (learn_one(to_utf8, &in, 1, &m->single[i - UPPER]))
            learn_code(m, m->single[i - UPPER], (uint16_t)i, e->form);
    }
    if (e->form != ONE_BYTE) {
        m->pairs = mem_zalloc(sizeof(*m->pairs) * PAIRS);
        m->triples = e->form == EUC_3 ? mem_zalloc(sizeof(*m->triples) * PAIRS) : NULL;
        for (int i = 0; i < PAIRS; i++)
            if (!m->single[i / 256])
                learn_more(m, to_utf8, e->form, (char[]){(char)(UPPER + i / 256), (char)i}, 2);
        for (int i = 0; i < PAIRS && m->triples; i++)
            learn_more(m, to_utf8, e->form, (char[]){(char)0x8f, (char)(UPPER + i / 256), (char)i},
                       3);
        learn_rest(m, e);
    }
    iconv_close(to_utf8);
    return m;
}

/* NULL: the encoding is not known here. */
static const struct charmap *charmap_of(const struct encoding *e)
{
    _Atomic(struct charmap *) *place = &charmaps[encoding_number(e)];
    struct charmap *m = atomic_load(place), *none = NULL;
    if (m || e->form == UNKNOWN)
        return m;
    m = learn(e);
    if (m && !atomic_compare_exchange_strong(place, &none, m)) {
        mem_free(m->pairs);
        mem_free(m->triples);
        mem_free(m);
        m = none;
    }
    return m;
}

bool encoding_is_known(const struct encoding *e)
{
    return charmap_of(e) != NULL;
}

/* ---- conversion ----------------------------------------------------------------------------- */

static void put_bytes(const char *p, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s0x%02x", i ? " " : "", (unsigned char)p[i]);
}

static struct error *no_equivalent(const char *p, size_t n, const char *from, const char *to)
{
    _cleanup_(buf_done) struct buf bytes = {0};
    put_bytes(p, n, &bytes);
    return error_new("22P05",
                     "character with byte sequence %s in encoding \"%s\" has no equivalent in "
                     "encoding \"%s\"",
                     bytes.data, from, to);
}

static struct error *invalid(const char *p, size_t n, const struct encoding *e)
{
    _cleanup_(buf_done) struct buf bytes = {0};
    put_bytes(p, n, &bytes);
    return error_new("22021", "invalid byte sequence for encoding \"%s\": %s", e->name, bytes.data);
}

/* What stands before the first upper byte; how many bytes that are. */
static size_t put_ascii(const char *p, size_t n, struct buf *out)
{
    size_t i = 0;
    while (i < n && !((unsigned char)p[i] & 0x80))
        i++;
    buf_append(out, p, i);
    return i;
}

/* Of the character that begins with this upper byte. */
static size_t length_of(const struct charmap *m, uint8_t first)
{
    if (!m || !m->pairs || m->single[first - UPPER])
        return 1;
    return m->triples && first == 0x8f ? 3 : 2;
}

static uint16_t character_of(const struct charmap *m, const uint8_t *p, size_t n)
{
    if (n == 1)
        return m ? m->single[p[0] - UPPER] : 0;
    if (p[n - 2] < UPPER)
        return 0;
    return (n == 3 ? m->triples : m->pairs)[(p[n - 2] - UPPER) * 256 + p[n - 1]];
}

struct error *encoding_to_utf8(const struct encoding *e, const char *p, size_t n, size_t *ret_rest,
                               struct buf *out)
{
    const struct charmap *m = charmap_of(e);
    size_t rest = 0;
    for (size_t i = 0; i < n;) {
        i += put_ascii(p + i, n - i, out);
        if (i == n)
            break;
        const uint8_t *at = (const uint8_t *)p + i;
        size_t len = length_of(m, *at);
        rest = n - i < len ? n - i : 0;
        if (rest && ret_rest)
            break;
        uint16_t character = rest ? 0 : character_of(m, at, len);
        if (rest || (!character && len > 1 && !is_form(e->form, at, len)))
            return invalid(p + i, rest ? rest : len, e);
        if (!character)
            return no_equivalent(p + i, len, e->name, "UTF8");
        types__utf8_encode(character, out);
        i += len;
    }
    if (ret_rest)
        *ret_rest = rest;
    return NULL;
}

static void put_code(uint16_t code, struct buf *out)
{
    char bytes[3] = {(char)0x8f, (char)(code >> 8 | 0x80), (char)code};
    size_t n = code < 256 ? 1 : code < 0x8000 ? 3 : 2;
    buf_append(out, bytes + 3 - n, n);
}

struct error *encoding_from_utf8(const struct encoding *e, const char *p, size_t n, bool lossy,
                                 struct buf *out)
{
    const struct charmap *m = charmap_of(e);
    for (size_t i = 0; i < n;) {
        i += put_ascii(p + i, n - i, out);
        if (i == n)
            break;
        uint32_t character;
        size_t len = types__utf8_decode(p + i, n - i, &character);
        uint16_t code = m && character < CHARACTERS ? m->codes[character] : 0;
        if (!code && !lossy)
            return no_equivalent(p + i, len, "UTF8", e->name);
        put_code(code ? code : '?', out);
        i += len;
    }
    return NULL;
}
