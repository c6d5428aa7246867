/*
 * Character encodings: PostgreSQL's names and numbers of them, and what those of one byte mean.
 *
 * All text here is UTF-8. Another encoding is one that a client speaks (gateway/), or that
 * convert_from() and its kin are asked for. Those of one byte are a table of what the upper 128
 * bytes stand for, which iconv fills when it is first needed: what each byte alone is, so that it
 * never puts characters together.
 */
#include "types/types_int.h"

#include <ctype.h>
#include <iconv.h>
#include <stdatomic.h>

enum { UPPER = 128 };

struct pair {
    uint32_t character;
    uint8_t byte;
};

struct charmap {
    uint32_t characters[UPPER]; /* of bytes from 128 on; 0: none */
    int n;
    struct pair bytes[UPPER]; /* by character */
};

struct encoding {
    const char *name;
    const char *iconv; /* of one byte; NULL: not known here */
    const char *other; /* further names, as simple() makes them: " a b " */
};

/* By PostgreSQL's numbers. */
static const struct encoding encodings[] = {
    {"SQL_ASCII", NULL, " "},
    {"EUC_JP", NULL, " "},
    {"EUC_CN", NULL, " "},
    {"EUC_KR", NULL, " "},
    {"EUC_TW", NULL, " "},
    {"EUC_JIS_2004", NULL, " "},
    {"UTF8", NULL, " unicode "},
    {"MULE_INTERNAL", NULL, " "},
    {"LATIN1", "ISO-8859-1", " iso88591 "},
    {"LATIN2", "ISO-8859-2", " iso88592 "},
    {"LATIN3", "ISO-8859-3", " iso88593 "},
    {"LATIN4", "ISO-8859-4", " iso88594 "},
    {"LATIN5", "ISO-8859-9", " iso88599 "},
    {"LATIN6", "ISO-8859-10", " iso885910 "},
    {"LATIN7", "ISO-8859-13", " iso885913 "},
    {"LATIN8", "ISO-8859-14", " iso885914 "},
    {"LATIN9", "ISO-8859-15", " iso885915 "},
    {"LATIN10", "ISO-8859-16", " iso885916 "},
    {"WIN1256", "CP1256", " windows1256 "},
    {"WIN1258", "CP1258", " windows1258 abc tcvn tcvn5712 vscii "},
    {"WIN866", "CP866", " windows866 alt "},
    {"WIN874", "CP874", " windows874 "},
    {"KOI8R", "KOI8-R", " koi8 "},
    {"WIN1251", "CP1251", " windows1251 win "},
    {"WIN1252", "CP1252", " windows1252 "},
    {"ISO_8859_5", "ISO-8859-5", " "},
    {"ISO_8859_6", "ISO-8859-6", " "},
    {"ISO_8859_7", "ISO-8859-7", " "},
    {"ISO_8859_8", "ISO-8859-8", " "},
    {"WIN1250", "CP1250", " windows1250 "},
    {"WIN1253", "CP1253", " windows1253 "},
    {"WIN1254", "CP1254", " windows1254 "},
    {"WIN1255", "CP1255", " windows1255 "},
    {"WIN1257", "CP1257", " windows1257 "},
    {"KOI8U", "KOI8-U", " "},
    {"SJIS", NULL, " mskanji shiftjis win932 windows932 "},
    {"BIG5", NULL, " win950 windows950 "},
    {"GBK", NULL, " win936 windows936 "},
    {"UHC", NULL, " win949 windows949 "},
    {"GB18030", NULL, " "},
    {"JOHAB", NULL, " "},
    {"SHIFT_JIS_2004", NULL, " "},
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

static int by_character(const void *a, const void *b)
{
    uint32_t x = ((const struct pair *)a)->character, y = ((const struct pair *)b)->character;
    return x < y ? -1 : x > y;
}

static bool learn_byte(iconv_t to_utf8, uint8_t byte, uint32_t *ret)
{
    char in = (char)byte, out[8], *from = &in, *to = out;
    size_t left = 1, room = sizeof(out);
    iconv(to_utf8, NULL, NULL, NULL, NULL);
    if (iconv(to_utf8, &from, &left, &to, &room) == (size_t)-1 ||
        iconv(to_utf8, NULL, NULL, &to, &room) == (size_t)-1)
        return false;
    return room < sizeof(out) && types__utf8_decode(out, sizeof(out) - room, ret) > 0;
}

static struct charmap *learn(const char *name)
{
    iconv_t to_utf8 = iconv_open("UTF-8", name);
    if (to_utf8 == (iconv_t)-1)
        return NULL;
    struct charmap *m = NEW(struct charmap);
    for (int i = 0; i < UPPER; i++)
        if (learn_byte(to_utf8, (uint8_t)(UPPER + i), &m->characters[i]))
            m->bytes[m->n++] = (struct pair){m->characters[i], (uint8_t)(UPPER + i)};
    iconv_close(to_utf8);
    qsort(m->bytes, (size_t)m->n, sizeof(m->bytes[0]), by_character);
    return m;
}

/* NULL: the encoding is not known here. */
static const struct charmap *charmap_of(const struct encoding *e)
{
    _Atomic(struct charmap *) *place = &charmaps[encoding_number(e)];
    struct charmap *m = atomic_load(place), *none = NULL;
    if (m || !e->iconv)
        return m;
    m = learn(e->iconv);
    if (m && !atomic_compare_exchange_strong(place, &none, m)) {
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

static struct error *no_equivalent(const char *p, size_t n, const char *from, const char *to)
{
    struct buf bytes = {0};
    for (size_t i = 0; i < n; i++)
        buf_printf(&bytes, "%s0x%02x", i ? " " : "", (unsigned char)p[i]);
    struct error *e = error_new("22P05",
                                "character with byte sequence %s in encoding \"%s\" has no "
                                "equivalent in encoding \"%s\"",
                                bytes.data, from, to);
    buf_done(&bytes);
    return e;
}

static size_t ascii_prefix(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && !((unsigned char)p[i] & 0x80))
        i++;
    return i;
}

struct error *encoding_to_utf8(const struct encoding *e, const char *p, size_t n, struct buf *out)
{
    const struct charmap *m = charmap_of(e);
    for (size_t i = 0; i < n; i++) {
        size_t plain = ascii_prefix(p + i, n - i);
        buf_append(out, p + i, plain);
        i += plain;
        if (i == n)
            break;
        uint32_t character = m ? m->characters[(uint8_t)p[i] - UPPER] : 0;
        if (!character)
            return no_equivalent(p + i, 1, e->name, "UTF8");
        types__utf8_encode(character, out);
    }
    return NULL;
}

struct error *encoding_from_utf8(const struct encoding *e, const char *p, size_t n, bool lossy,
                                 struct buf *out)
{
    const struct charmap *m = charmap_of(e);
    for (size_t i = 0; i < n;) {
        size_t plain = ascii_prefix(p + i, n - i);
        buf_append(out, p + i, plain);
        i += plain;
        if (i == n)
            break;
        struct pair wanted = {0};
        size_t len = types__utf8_decode(p + i, n - i, &wanted.character);
        const struct pair *has =
            m && len ? bsearch(&wanted, m->bytes, (size_t)m->n, sizeof(m->bytes[0]), by_character)
                     : NULL;
        if (!has && !lossy)
            return no_equivalent(p + i, len ? len : 1, "UTF8", e->name);
        buf_append(out, has ? (const char *)&has->byte : "?", 1);
        i += len ? len : 1;
    }
    return NULL;
}
