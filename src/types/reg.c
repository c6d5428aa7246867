/*
 * regclass, regtype, regproc, regnamespace and their like: an oid that reads and prints as a name.
 *
 * Names are the catalog's: whoever has it gives types_set_names() two functions. Without them, and
 * for numbers and '-' always, this file does what needs no catalog. regtype knows the program's own
 * types itself.
 */
#include "types/types_int.h"

static const struct type_names *catalog; /* set before threads start */

void types_set_names(const struct type_names *names)
{
    catalog = names;
}

bool types__print_name(uint32_t reg, uint32_t oid, struct buf *out)
{
    return catalog && catalog->print && catalog->print(reg, oid, out);
}

static bool all_digits(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return n > 0;
}

static struct error *unknown_name(uint32_t reg, const char *s, size_t n)
{
    static const struct {
        uint32_t reg;
        const char *state, *what;
        bool quoted;
    } errors[] = {
        {OID_REGCLASS, E_UNDEFINED_TABLE, "relation", true},
        {OID_REGTYPE, E_UNDEFINED_OBJECT, "type", true},
        {OID_REGPROC, E_UNDEFINED_FUNCTION, "function", true},
        {OID_REGPROCEDURE, E_UNDEFINED_FUNCTION, "function", true},
        {OID_REGOPER, E_UNDEFINED_FUNCTION, "operator", false},
        {OID_REGOPERATOR, E_UNDEFINED_FUNCTION, "operator", false},
        {OID_REGNAMESPACE, "3F000", "schema", true},
        {OID_REGROLE, E_UNDEFINED_OBJECT, "role", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(errors); i++)
        if (errors[i].reg == reg)
            return error_new(errors[i].state,
                             errors[i].quoted ? "%s \"%.*s\" does not exist"
                                              : "%s does not exist: %.*s",
                             errors[i].what, (int)MIN(n, 1000), s);
    return error_new(E_UNDEFINED_OBJECT, "object \"%.*s\" does not exist", (int)MIN(n, 1000), s);
}

/* An unquoted name in small letters, one space between words, no modifier: timestamp(3) with time
 * zone. False: too long. */
static bool plain_name(const char *s, size_t n, char *to, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '(') {
            const char *end = memchr(s + i, ')', n - i);
            i = end ? (size_t)(end - s) : i;
            continue;
        }
        bool space = strchr(" \t\n", s[i]) != NULL;
        if (space && (len == 0 || to[len - 1] == ' '))
            continue;
        if (len + 1 == size)
            return false;
        to[len++] = space ? ' ' : s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] + 32) : s[i];
    }
    len -= len > 0 && to[len - 1] == ' ';
    to[len] = 0;
    return true;
}

/* The program's own types, as people write them: "integer", "INT4[]", _int4 .. */
static const struct type *own_type(const char *s, size_t n)
{
    static const char schema[] = "pg_catalog.";
    char text[80];
    if (!plain_name(s, n, text, sizeof(text)))
        return NULL;
    size_t len = strlen(text);
    char *name = strncmp(text, schema, sizeof(schema) - 1) == 0 ? text + sizeof(schema) - 1 : text;
    bool array = len > 2 && strcmp(text + len - 2, "[]") == 0;
    if (array)
        text[len - 2] = 0;
    const struct type *t = strcmp(name, "char") == 0       ? type_by_oid(OID_BPCHAR)
                           : strcmp(name, "\"char\"") == 0 ? type_by_oid(OID_CHAR)
                                                           : type_by_name(name);
    return t && array ? type_by_oid(t->array) : t;
}

struct error *types__reg_parse(const struct type *self, const char *s, size_t n, int32_t typmod,
                               struct arena *a, struct value *ret)
{
    TRY(types__utf8_check(s, n));
    if (n == 1 && *s == '-') {
        *ret = value_int(0);
        return NULL;
    }
    if (all_digits(s, n))
        return type_parse(type_by_oid(OID_OID), s, n, typmod, a, ret);
    const struct type *t = self->oid == OID_REGTYPE ? own_type(s, n) : NULL;
    uint32_t oid = t ? t->oid : 0;
    if (!t) {
        if (!catalog || !catalog->find)
            return unknown_name(self->oid, s, n);
        TRY(catalog->find(self->oid, s, n, &oid));
    }
    *ret = value_int(oid);
    return NULL;
}

void types__reg_print(const struct type *self, const struct value *v, int32_t typmod,
                      struct buf *out)
{
    uint32_t oid = (uint32_t)v->i;
    const struct type *t =
        self->oid == OID_REGTYPE && oid < FIRST_USER_OID ? type_by_oid(oid) : NULL;
    if (oid == 0)
        buf_puts(out, "-");
    else if (t)
        buf_puts(out, t->sql_name);
    else if (!types__print_name(self->oid, oid, out))
        buf_printf(out, "%u", oid);
}
