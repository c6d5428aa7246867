/*
 * Fuzzing of the languages inside values: json and jsonb (what is read, written and read again is
 * the same), SQL/JSON paths run over a value, regular expressions over a text. The first byte
 * chooses; pattern and text are separated by a 0 byte.
 */
#include "fuzz.h"
#include "types/types.h"

static struct value text_of(const char *p, size_t n)
{
    return (struct value){.kind = VALUE_TEXT, .s = {p, n}};
}

static bool read_as(uint32_t type, const char *p, size_t n, struct arena *a, struct value *ret)
{
    struct error *e = type_parse(type_by_oid(type), p, n, -1, a, ret);
    error_free(e);
    return !e;
}

static void call(const char *name, enum func_kind kind, uint32_t x, uint32_t y,
                 const struct value *v, struct arena *a)
{
    const uint32_t types[2] = {x, y};
    const struct func *f;
    struct value result;
    struct error *e = func_resolve(name, kind, types, 2, &f);
    if (!e)
        e = f->call(v, 2, a, &result);
    error_free(e);
}

static void json(const char *p, size_t n, struct arena *a)
{
    struct value first, again;
    if (!read_as(OID_JSONB, p, n, a, &first))
        return;
    bool ok = read_as(OID_JSONB, first.s.p, first.s.n, a, &again);
    assert(ok && again.s.n == first.s.n && memcmp(again.s.p, first.s.p, again.s.n) == 0);
    assert(type_compare(type_by_oid(OID_JSONB), &first, &again) == 0);
    ok = read_as(OID_JSON, p, n, a, &again);
    assert(ok);
    (void)ok;
}

static void pair(char kind, const char *p, size_t n, const char *q, size_t m, struct arena *a)
{
    struct value v[2];
    if (kind % 2 && read_as(OID_TEXT, q, m, a, &v[0]) && read_as(OID_TEXT, p, n, a, &v[1]))
        call("~", FUNC_OPERATOR, OID_TEXT, OID_TEXT, v, a);
    if (kind % 2 == 0 && read_as(OID_JSONPATH, p, n, a, &v[1])) {
        struct value again;
        bool ok = read_as(OID_JSONPATH, v[1].s.p, v[1].s.n, a, &again);
        assert(ok && again.s.n == v[1].s.n && memcmp(again.s.p, v[1].s.p, again.s.n) == 0);
        (void)ok;
        v[0] = text_of(q, m); /* what a damaged file may hold */
        call("jsonb_path_query_array", FUNC_SCALAR, OID_JSONB, OID_JSONPATH, v, a);
        call("jsonb_path_query_array_tz", FUNC_SCALAR, OID_JSONB, OID_JSONPATH, v, a);
        call("->>", FUNC_OPERATOR, OID_JSONB, OID_TEXT, v, a);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    const char *p = (const char *)data + 1, *zero;
    if (size < 2)
        return 0;
    zero = memchr(p, 0, size - 1);
    if (data[0] % 3 == 0)
        json(p, size - 1, &arena);
    else if (zero)
        pair((char)(data[0] % 3), p, (size_t)(zero - p), zero + 1,
             (size_t)((const char *)data + size - zero - 1), &arena);
    arena_done(&arena);
    return 0;
}
