/* Unicode's normal forms (utf8proc): normalize(), IS NORMALIZED. to_ascii(). */
#include "types/types_int.h"

#include <stdlib.h>
#include <strings.h>
#include <utf8proc.h>

static struct error *option_of(const struct value *form, utf8proc_option_t *ret)
{
    static const struct {
        const char *name;
        unsigned options;
    } forms[] = {{"NFC", UTF8PROC_COMPOSE},
                 {"NFD", UTF8PROC_DECOMPOSE},
                 {"NFKC", UTF8PROC_COMPOSE | UTF8PROC_COMPAT},
                 {"NFKD", UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT}};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (form->s.n == strlen(forms[i].name) &&
            strncasecmp(form->s.p, forms[i].name, form->s.n) == 0) {
            *ret = (utf8proc_option_t)(forms[i].options | UTF8PROC_STABLE);
            return NULL;
        }
    return error_new("22023", "invalid normalization form: %.*s", (int)MIN(form->s.n, 1000),
                     form->s.p);
}

/* (text[, form]) */
static CALL(normalize)
{
    const struct value usual = value_text("NFC", 3);
    utf8proc_option_t options = UTF8PROC_STABLE;
    utf8proc_uint8_t *out = NULL;
    TRY(option_of(n > 1 ? &v[1] : &usual, &options));
    utf8proc_ssize_t len =
        utf8proc_map((const utf8proc_uint8_t *)v[0].s.p, (utf8proc_ssize_t)v[0].s.n, &out, options);
    if (len < 0 || len > TEXT_MAX_BYTES) {
        free(out);
        return error_new("54000", "the text cannot be normalized: %s",
                         len < 0 ? utf8proc_errmsg(len) : "it becomes too long");
    }
    *ret = value_text(arena_strndup(a, (const char *)out, (size_t)len), (size_t)len);
    free(out);
    return NULL;
}

static CALL(is_normalized)
{
    struct value normal = {.kind = VALUE_NULL};
    TRY(normalize(v, n, a, &normal));
    *ret = value_int(normal.s.n == v[0].s.n && memcmp(normal.s.p, v[0].s.p, normal.s.n) == 0);
    return NULL;
}

/* PostgreSQL has it for some one-byte encodings only. */
static CALL(to_ascii)
{
    return error_new(E_UNSUPPORTED, "encoding conversion from UTF8 to ASCII not supported");
}

#define T OID_TEXT

static const struct func rows[] = {
    SCALAR1("normalize", T, T, "normalize_1", normalize),
    SCALAR2("normalize", T, T, T, "normalize_2", normalize),
    SCALAR1("is_normalized", T, OID_BOOL, "is_normalized_1", is_normalized),
    SCALAR2("is_normalized", T, T, OID_BOOL, "is_normalized_2", is_normalized),
    SCALAR1("to_ascii", T, T, "to_ascii", to_ascii),
};

const struct func_rows types__normalize_funcs = {rows, ARRAY_LEN(rows)};
