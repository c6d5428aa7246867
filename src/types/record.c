/*
 * Records and composite types: values of several fields.
 *
 * A record tells its fields' types and names itself, so that whoever prints, compares or takes it
 * apart, on whichever server, needs nothing but the value. It is text, so that a collation orders
 * it: for each field its type, its name with its length, and its value, as an array would store it,
 * with its length:
 *
 *     1;              how deep records lie in it
 *     23.2:id1:5      an int4 named id, 5
 *     25.0:-          a text without a name, NULL
 *
 * A value of a composite type looks the same, but its fields have no names, and those that were
 * added to the type since the value was stored are NULL. What there are the type's row says
 * (types_add_composite), which is replaced when attributes change. types__record_read() gives both
 * kinds as they look to users.
 *
 * Calls that make records begin with the head, the fields as above without their values:
 *     minisql_record('23.2:id25.0:', 5, NULL)
 */
#include "types/types_int.h"

#include <inttypes.h>
#include <stdio.h>

enum { FIELDS_MAX = 1664, DEPTH_MAX = 500 };

/* ---- composite types --------------------------------------------------------------------------
 */

struct attributes {
    int64_t n;
    struct {
        uint32_t type;
        int32_t typmod;
        int64_t name; /* bytes from the start of all this */
    } items[];
};

static const struct attributes *attributes_of(const struct type *t)
{
    const struct type *now = t->category == 'C' ? type_by_oid(t->oid) : NULL;
    return now ? now->data : NULL;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static struct error *damaged(void)
{
    return error_new(E_DAMAGED, "a value that is no record stands where a record should");
}

/* A number, ended by `end`. */
static bool scan_number(struct reader *r, char end, uint64_t *ret)
{
    uint64_t n = 0;
    for (int digits = 0; digits < 11; digits++) {
        const char *c = read_bytes(r, 1);
        if (!c)
            return false;
        if (*c == end) {
            *ret = n;
            return digits > 0;
        }
        if (*c < '0' || *c > '9')
            return false;
        n = n * 10 + (uint64_t)(*c - '0');
    }
    return false;
}

static bool scan_head(struct reader *r, struct record_field *f)
{
    uint64_t type, length;
    if (!scan_number(r, '.', &type) || !scan_number(r, ':', &length) || length > reader_left(r) ||
        type > UINT32_MAX)
        return false;
    *f = (struct record_field){.type = type_by_oid((uint32_t)type),
                               .typmod = -1,
                               .name = read_bytes(r, (size_t)length),
                               .name_length = (size_t)length};
    return f->type != NULL;
}

static bool scan_value(struct reader *r, struct record_field *f, struct arena *a)
{
    uint64_t length;
    if (reader_left(r) && *r->p == '-') {
        f->value = (struct value){.kind = VALUE_NULL};
        return read_bytes(r, 1) != NULL;
    }
    if (!scan_number(r, ':', &length) || length > reader_left(r))
        return false;
    const char *p = read_bytes(r, (size_t)length);
    return types__stored_read(f->type->storage, p, (size_t)length, a, &f->value);
}

/* How deep records lie in a value: those who walk through one call themselves. */
static struct error *depth_of(const struct type *t, const struct value *v, struct arena *a,
                              uint64_t *ret)
{
    uint64_t depth = 0;
    if (v->kind == VALUE_NULL)
        return NULL;
    if (t->oid == OID_RECORD || t->category == 'C') {
        struct reader r = reader_of(v->s.p, v->s.n);
        if (v->kind != VALUE_TEXT || !scan_number(&r, ';', &depth))
            return damaged();
    }
    const struct type *element = t->element ? type_by_oid(t->element) : NULL;
    if (element && (element->oid == OID_RECORD || element->category == 'C')) {
        struct array x;
        TRY(types__array_read(element, v, a, &x));
        for (size_t i = 0; i < x.n; i++)
            TRY(depth_of(element, &x.items[i], a, &depth));
    }
    *ret = MAX(*ret, depth);
    return NULL;
}

static struct error *scan_record(const struct value *v, struct arena *a, struct record *ret)
{
    if (v->kind != VALUE_TEXT)
        return damaged();
    struct reader r = reader_of(v->s.p, v->s.n);
    size_t cap = 8;
    uint64_t depth;
    if (!scan_number(&r, ';', &depth) || depth > DEPTH_MAX)
        return damaged();
    *ret = (struct record){.fields = ARENA_ARRAY(a, struct record_field, cap)};
    while (reader_left(&r)) {
        if (ret->n == cap) {
            struct record_field *grown = ARENA_ARRAY(a, struct record_field, cap * 2);
            memcpy(grown, ret->fields, sizeof(*grown) * cap);
            ret->fields = grown;
            cap *= 2;
        }
        struct record_field *f = &ret->fields[ret->n];
        uint64_t inner = 0;
        if (!scan_head(&r, f) || !scan_value(&r, f, a))
            return damaged();
        TRY(depth_of(f->type, &f->value, a, &inner));
        if (inner >= depth || ++ret->n > FIELDS_MAX)
            return damaged();
    }
    return NULL;
}

struct error *types__record_read(const struct type *t, const struct value *v, struct arena *a,
                                 struct record *ret)
{
    const struct attributes *as = attributes_of(t);
    struct record stored = {0};
    TRY(scan_record(v, a, as ? &stored : ret));
    if (!as)
        return NULL;
    *ret = (struct record){.fields = ARENA_ARRAY(a, struct record_field, as->n + 1)};
    for (int64_t i = 0; i < as->n; i++) {
        struct record_field *f = &ret->fields[i];
        const char *name = (const char *)as + as->items[i].name;
        *f = (struct record_field){.type = type_by_oid(as->items[i].type),
                                   .typmod = as->items[i].typmod,
                                   .name = name,
                                   .name_length = strlen(name)};
        if (!f->type)
            return damaged();
        if ((uint64_t)i < stored.n && stored.fields[i].value.kind != VALUE_NULL) {
            if (stored.fields[i].type->storage != f->type->storage)
                return damaged();
            f->value = stored.fields[i].value;
        }
        ret->n++;
    }
    return NULL;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static struct error *put_value(const struct value *v, struct buf *out)
{
    _cleanup_(buf_done) struct buf text = {0};
    if (v->kind == VALUE_NULL) {
        buf_puts(out, "-");
        return NULL;
    }
    types__stored_print(v, &text);
    if (out->len + text.len > TEXT_MAX_BYTES)
        return error_new("54000", "a record may have %d bytes at most", TEXT_MAX_BYTES);
    buf_printf(out, "%zu:", text.len);
    buf_append(out, text.data ? text.data : "", text.len);
    return NULL;
}

static struct error *finish(uint64_t depth, const struct buf *fields, struct arena *a,
                            struct value *ret)
{
    _cleanup_(buf_done) struct buf out = {0};
    if (depth >= DEPTH_MAX)
        return error_new("54001", "records may lie %d deep in records at most", DEPTH_MAX);
    buf_printf(&out, "%d;", (int)depth + 1);
    buf_append(&out, fields->data ? fields->data : "", fields->len);
    *ret = types__text_of(a, &out);
    return NULL;
}

static void put_head(uint32_t type, const char *name, size_t length, struct buf *out)
{
    buf_printf(out, "%" PRIu32 ".%zu:", type, length);
    buf_append(out, name, length);
}

void types_record_head(uint32_t type, const char *name, struct buf *out)
{
    put_head(type, name, strlen(name), out);
}

static struct error *write_composite(const struct attributes *as, const struct value *values,
                                     struct arena *a, struct value *ret)
{
    _cleanup_(buf_done) struct buf out = {0};
    uint64_t depth = 0;
    for (int64_t i = 0; i < as->n; i++) {
        put_head(as->items[i].type, "", 0, &out);
        TRY(put_value(&values[i], &out));
        TRY(depth_of(type_by_oid(as->items[i].type), &values[i], a, &depth));
    }
    return finish(depth, &out, a, ret);
}

struct error *types__record_write(const struct type *t, const struct record *r, struct arena *a,
                                  struct value *ret)
{
    _cleanup_(buf_done) struct buf out = {0};
    bool named = !type_is_composite(t);
    uint64_t depth = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct record_field *f = &r->fields[i];
        put_head(f->type->oid, f->name, named ? f->name_length : 0, &out);
        TRY(put_value(&f->value, &out));
        TRY(depth_of(f->type, &f->value, a, &depth));
    }
    return finish(depth, &out, a, ret);
}

/* ---- calls ------------------------------------------------------------------------------------
 */

/* SQLite gives a float that is whole as an integer. */
static bool fits(const struct type *t, const struct value *v)
{
    return v->kind == VALUE_NULL || v->kind == t->storage ||
           (v->kind == VALUE_INT && t->storage == VALUE_REAL);
}

static struct value as_stored(const struct type *t, const struct value *v)
{
    return v->kind == VALUE_INT && t->storage == VALUE_REAL ? value_real((double)v->i) : *v;
}

/* head, values .. */
static CALL(record_make)
{
    _cleanup_(buf_done) struct buf out = {0};
    struct reader r = v[0].kind == VALUE_TEXT ? reader_of(v[0].s.p, v[0].s.n) : reader_of("", 0);
    uint64_t depth = 0;
    for (int i = 1; i < n; i++) {
        const char *start = r.p;
        struct record_field f;
        if (!scan_head(&r, &f) || !fits(f.type, &v[i]))
            return damaged();
        buf_append(&out, start, (size_t)(r.p - start));
        struct value value = as_stored(f.type, &v[i]);
        TRY(put_value(&value, &out));
        TRY(depth_of(f.type, &value, a, &depth));
    }
    return finish(depth, &out, a, ret);
}

static struct error *read_arg(const struct value *v, const struct value *type, struct arena *a,
                              struct record *ret)
{
    const struct type *t = type->kind == VALUE_INT ? type_by_oid((uint32_t)type->i) : NULL;
    return t ? types__record_read(t, v, a, ret) : damaged();
}

/* record, its type, which field, the field's type */
static CALL(record_field)
{
    struct record r;
    TRY(read_arg(&v[0], &v[1], a, &r));
    const struct record_field *f = v[2].i >= 0 && (uint64_t)v[2].i < r.n ? &r.fields[v[2].i] : NULL;
    const struct type *want = type_by_oid((uint32_t)v[3].i);
    if (!f || !want || f->type->storage != want->storage)
        return damaged();
    *ret = f->value;
    return NULL;
}

/* composite value or NULL, its type, which field, value: it with that */
static CALL(record_set)
{
    const struct value nothing = {.kind = VALUE_TEXT, .s = {"1;", 2}};
    struct record r;
    TRY(read_arg(v[0].kind == VALUE_NULL ? &nothing : &v[0], &v[1], a, &r));
    struct record_field *f = v[2].i >= 0 && (uint64_t)v[2].i < r.n ? &r.fields[v[2].i] : NULL;
    if (!f || !fits(f->type, &v[3]))
        return damaged();
    f->value = as_stored(f->type, &v[3]);
    return types__record_write(type_by_oid((uint32_t)v[1].i), &r, a, ret);
}

/* record, its type, 1: are all fields NULL? 0: is none? */
static CALL(record_nulls)
{
    struct record r = {0};
    bool all = true, none = true;
    if (v[0].kind != VALUE_NULL)
        TRY(read_arg(&v[0], &v[1], a, &r));
    for (size_t i = 0; i < r.n; i++)
        *(r.fields[i].value.kind == VALUE_NULL ? &none : &all) = false;
    *ret = value_int(v[2].i ? all : none && v[0].kind != VALUE_NULL);
    return NULL;
}

/* A composite value as a record */
static CALL(composite_to_record)
{
    const struct value type = value_int((uint32_t)(v[1].i >> 32));
    struct record r;
    TRY(read_arg(&v[0], &type, a, &r));
    return types__record_write(type_by_oid(OID_RECORD), &r, a, ret);
}

/* ---- the text form ----------------------------------------------------------------------------
 */

static void print_field(const char *p, size_t n, struct buf *out)
{
    bool quoted = n == 0;
    for (size_t k = 0; k < n && !quoted; k++)
        quoted = strchr("\"\\(), \t\n\r\v\f", p[k]) != NULL;
    buf_puts(out, quoted ? "\"" : "");
    for (size_t k = 0; k < n; k++) {
        if (p[k] == '"' || p[k] == '\\')
            buf_append(out, &p[k], 1);
        buf_append(out, &p[k], 1);
    }
    buf_puts(out, quoted ? "\"" : "");
}

void types__record_print(const struct type *self, const struct value *v, int32_t typmod,
                         struct buf *out)
{
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct record r = {0};
    error_free(types__record_read(self, v, &a, &r));
    buf_puts(out, "(");
    for (size_t i = 0; i < r.n; i++) {
        const struct record_field *f = &r.fields[i];
        buf_puts(out, i ? "," : "");
        if (f->value.kind == VALUE_NULL)
            continue;
        buf_clear(&text);
        type_print(f->type, &f->value, f->typmod, &text);
        print_field(text.len ? text.data : "", text.len, out);
    }
    buf_puts(out, ")");
}

static struct error *malformed(const char *s, size_t n, const char *why)
{
    return error_detail(
        error_new(E_BAD_TEXT, "malformed record literal: \"%.*s\"", (int)MIN(n, (size_t)1000), s),
        "%s", why);
}

struct record_scan {
    const char *p, *end;
    struct buf text; /* of the field that was read */
    bool null;
};

static bool ends_field(const struct record_scan *s)
{
    return s->p < s->end && (*s->p == ',' || *s->p == ')');
}

/* Up to the comma or parenthesis that ends it. False: the text ends before. */
static bool scan_field(struct record_scan *s)
{
    bool quoted = false;
    buf_clear(&s->text);
    s->null = ends_field(s);
    while (quoted || !ends_field(s)) {
        if (s->p == s->end)
            return false;
        char c = *s->p++;
        bool twice = c == '"' && quoted && s->p < s->end && *s->p == '"';
        if (c == '"' && !twice) {
            quoted = !quoted;
            continue;
        }
        if ((c == '\\' || twice) && s->p == s->end)
            return false;
        buf_append(&s->text, c == '\\' || twice ? s->p++ : s->p - 1, 1);
    }
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct error *parse_fields(const struct attributes *as, struct record_scan *s,
                                  const char *text, size_t n, struct arena *a, struct value *values)
{
    for (int64_t i = 0; i < as->n; i++) {
        if (i && *s->p++ != ',')
            return malformed(text, n, "Too few columns.");
        if (!scan_field(s))
            return malformed(text, n, "Unexpected end of input.");
        const char *field = arena_strndup(a, s->text.len ? s->text.data : "", s->text.len);
        values[i] = (struct value){.kind = VALUE_NULL};
        if (!s->null)
            TRY(type_parse(type_by_oid(as->items[i].type), field, s->text.len, as->items[i].typmod,
                           a, &values[i]));
    }
    if (*s->p++ != ')')
        return malformed(text, n, "Too many columns.");
    return NULL;
}

struct error *types__record_parse(const struct type *self, const char *text, size_t n,
                                  int32_t typmod, struct arena *a, struct value *ret)
{
    const struct attributes *as = attributes_of(self);
    if (!as)
        return error_new(E_UNSUPPORTED, "input of anonymous composite types is not implemented");
    TRY(types__utf8_check(text, n));
    struct record_scan s = {.p = text, .end = text + n};
    struct value *values = ARENA_ARRAY(a, struct value, as->n + 1);
    while (s.p < s.end && is_space(*s.p))
        s.p++;
    if (s.p == s.end || *s.p++ != '(')
        return malformed(text, n, "Missing left parenthesis.");
    if (s.p == s.end)
        return malformed(text, n, "Unexpected end of input.");
    struct error *e = parse_fields(as, &s, text, n, a, values);
    buf_done(&s.text);
    TRY(e);
    while (s.p < s.end && is_space(*s.p))
        s.p++;
    if (s.p < s.end)
        return malformed(text, n, "Junk after right parenthesis.");
    return write_composite(as, values, a, ret);
}

/* ---- the binary form --------------------------------------------------------------------------
 */

void types__record_send(const struct type *self, const struct value *v, int32_t typmod,
                        struct buf *out)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct record r = {0};
    error_free(types__record_read(self, v, &a, &r));
    buf_put32(out, (uint32_t)r.n);
    for (size_t i = 0; i < r.n; i++) {
        buf_put32(out, r.fields[i].type->oid);
        types__array_send_item(r.fields[i].type, &r.fields[i].value, r.fields[i].typmod, out);
    }
}

static struct error *recv_field(struct reader *r, uint32_t want, int32_t typmod, struct arena *a,
                                struct value *ret)
{
    uint32_t oid = read32(r);
    int32_t length = (int32_t)read32(r);
    if (!reader_ok(r))
        return error_new(E_BAD_BINARY, "insufficient data left in message");
    if (oid != want)
        return error_new(E_TYPE_MISMATCH,
                         "binary data has type %" PRIu32 " (%s) instead of expected %" PRIu32
                         " (%s) in record column",
                         oid, type_label(oid, -1, a), want, type_label(want, -1, a));
    *ret = (struct value){.kind = VALUE_NULL};
    if (length == -1)
        return NULL;
    const char *p = length >= 0 ? read_bytes(r, (size_t)length) : NULL;
    return p ? type_recv(type_by_oid(want), p, (size_t)length, typmod, a, ret)
             : error_new(E_BAD_BINARY, "insufficient data left in message");
}

struct error *types__record_recv(const struct type *self, const char *p, size_t n, int32_t typmod,
                                 struct arena *a, struct value *ret)
{
    const struct attributes *as = attributes_of(self);
    if (!as)
        return error_new(E_UNSUPPORTED, "input of anonymous composite types is not implemented");
    struct reader r = reader_of(p, n);
    struct value *values = ARENA_ARRAY(a, struct value, as->n + 1);
    int32_t count = (int32_t)read32(&r), want = (int32_t)as->n;
    if (!reader_ok(&r))
        return error_new(E_BAD_BINARY, "insufficient data left in message");
    if (count != want)
        return error_new(E_TYPE_MISMATCH, "wrong number of columns: %d, expected %d", count, want);
    for (int64_t i = 0; i < as->n; i++)
        TRY(recv_field(&r, as->items[i].type, as->items[i].typmod, a, &values[i]));
    if (reader_left(&r))
        return error_new(E_BAD_BINARY, "improper binary format in record");
    return write_composite(as, values, a, ret);
}

/* ---- the order --------------------------------------------------------------------------------
 */

/* NULLs are equal, and above all else. */
static int compare_fields(const struct record_field *x, const struct record_field *y)
{
    bool null = x->value.kind == VALUE_NULL, other = y->value.kind == VALUE_NULL;
    if (null || other)
        return null - other;
    if (x->type != y->type)
        return x->type->oid < y->type->oid ? -1 : 1;
    return type_compare(x->type, &x->value, &y->value);
}

static int compare_records(const struct record *x, const struct record *y)
{
    for (size_t i = 0; i < MIN(x->n, y->n); i++) {
        int order = compare_fields(&x->fields[i], &y->fields[i]);
        if (order)
            return order;
    }
    return (x->n > y->n) - (x->n < y->n);
}

int types__record_compare(const struct type *self, const struct value *v, const struct value *w)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct record x = {0}, y = {0};
    if (v->s.n == w->s.n && memcmp(v->s.p, w->s.p, v->s.n) == 0)
        return 0;
    error_free(types__record_read(self, v, &a, &x));
    error_free(types__record_read(self, w, &a, &y));
    return compare_records(&x, &y);
}

/* May these two be compared? The operators tell; what sorts has one type on both sides. */
static struct error *check_field(const struct type *t, const struct type *u, size_t i, bool order,
                                 struct arena *a)
{
    if (t->oid != u->oid)
        return error_new(E_TYPE_MISMATCH,
                         "cannot compare dissimilar column types %s and %s at record column %zu",
                         type_label(t->oid, -1, a), type_label(u->oid, -1, a), i + 1);
    const uint32_t of = t->category == 'A' && t->element ? t->element : t->oid;
    if (of != OID_UNKNOWN && of != OID_JSON && of != OID_JSONPATH && (of != OID_XID || !order))
        return NULL;
    return error_new(E_UNDEFINED_FUNCTION, "could not identify %s for type %s",
                     order ? "a comparison function" : "an equality operator",
                     type_label(of, -1, a));
}

/* An error only where it comes before the first difference */
static struct error *compare_args(const struct value *v, bool order, struct arena *a, int *ret)
{
    const struct type *record = type_by_oid(OID_RECORD);
    struct record x, y;
    *ret = 0;
    TRY(types__record_read(record, &v[0], a, &x));
    TRY(types__record_read(record, &v[1], a, &y));
    for (size_t i = 0; i < MIN(x.n, y.n) && *ret == 0; i++) {
        TRY(check_field(x.fields[i].type, y.fields[i].type, i, order, a));
        *ret = compare_fields(&x.fields[i], &y.fields[i]);
    }
    return *ret || x.n == y.n
               ? NULL
               : error_new(E_TYPE_MISMATCH,
                           "cannot compare record types with different numbers of columns");
}

#define COMPARISON(name, order, test)                                                              \
    static CALL(record_##name)                                                                     \
    {                                                                                              \
        int sign = 0;                                                                              \
        TRY(compare_args(v, order, a, &sign));                                                     \
        *ret = value_int(sign test 0);                                                             \
        return NULL;                                                                               \
    }
COMPARISON(eq, false, ==)
COMPARISON(ne, false, !=)
COMPARISON(lt, true, <)
COMPARISON(le, true, <=)
COMPARISON(gt, true, >)
COMPARISON(ge, true, >=)

/* ---- rows -------------------------------------------------------------------------------------
 */

#define R OID_RECORD

static const struct func rows[] = {
    BINARY("=", R, R, OID_BOOL, "record_eq", record_eq),
    BINARY("<>", R, R, OID_BOOL, "record_ne", record_ne),
    BINARY("<", R, R, OID_BOOL, "record_lt", record_lt),
    BINARY("<=", R, R, OID_BOOL, "record_le", record_le),
    BINARY(">", R, R, OID_BOOL, "record_gt", record_gt),
    BINARY(">=", R, R, OID_BOOL, "record_ge", record_ge),
};

const struct func_rows types__record_funcs = {rows, ARRAY_LEN(rows)};

/* Not among those that have names: users can't call them. */
static const struct func hidden[] = {
    [RECORD_MAKE] = {.name = "minisql_record",
                     .kind = FUNC_SCALAR,
                     .nargs = 2,
                     .args = {OID_TEXT, OID_ANYELEMENT},
                     .variadic = true,
                     .result = R,
                     .sqlite_name = "minisql_record",
                     .call = record_make},
    [RECORD_FIELD] = {.name = "minisql_record_field",
                      .kind = FUNC_SCALAR,
                      .nargs = 4,
                      .args = {R, OID_INT8, OID_INT4, OID_INT8},
                      .result = OID_ANYELEMENT,
                      .strict = true,
                      .sqlite_name = "minisql_record_field",
                      .call = record_field},
    [RECORD_SET] = {.name = "minisql_record_set",
                    .kind = FUNC_SCALAR,
                    .nargs = 4,
                    .args = {R, OID_INT8, OID_INT4, OID_ANYELEMENT},
                    .result = R,
                    .sqlite_name = "minisql_record_set",
                    .call = record_set},
    [RECORD_NULLS] = {.name = "minisql_record_nulls",
                      .kind = FUNC_SCALAR,
                      .nargs = 3,
                      .args = {R, OID_INT8, OID_INT4},
                      .result = OID_BOOL,
                      .sqlite_name = "minisql_record_nulls",
                      .call = record_nulls},
    [RECORD_OF] = {.name = "cast",
                   .kind = FUNC_SCALAR,
                   .nargs = 1,
                   .args = {OID_ANYELEMENT},
                   .result = R,
                   .strict = true,
                   .typed = true,
                   .sqlite_name = "composite_to_record",
                   .call = composite_to_record},
};

const struct func_rows types__record_hidden_funcs = {hidden, ARRAY_LEN(hidden)};

const struct func *record_func(enum record_func which)
{
    return &hidden[which];
}

/* ---- composite types, made at run time --------------------------------------------------------
 */

void types_add_composite(uint32_t oid, uint32_t array, const char *name, const char *sql_name,
                         const struct composite_attribute *attributes, int n)
{
    struct buf b = {0};
    size_t head =
        sizeof(struct attributes) + (size_t)n * sizeof(((struct attributes *)NULL)->items[0]);
    buf_reserve(&b, head + 1);
    memset(b.data, 0, head);
    b.len = head;
    ((struct attributes *)b.data)->n = n;
    for (int i = 0; i < n; i++) {
        int64_t at = (int64_t)b.len;
        buf_append(&b, attributes[i].name, strlen(attributes[i].name) + 1);
        struct attributes *as = (struct attributes *)b.data;
        as->items[i].type = attributes[i].type;
        as->items[i].typmod = attributes[i].typmod;
        as->items[i].name = at;
    }
    char collation[32];
    snprintf(collation, sizeof(collation), "minisql_type_%" PRIu32, oid);
    const struct type t = {.oid = oid,
                           .name = name,
                           .sql_name = sql_name,
                           .size = -1,
                           .category = 'C',
                           .storage = VALUE_TEXT,
                           .column = true,
                           .array = array,
                           .collation = collation,
                           .parse = types__record_parse,
                           .print = types__record_print,
                           .recv = types__record_recv,
                           .send = types__record_send,
                           .compare = types__record_compare,
                           .data = b.data,
                           .data_size = b.len};
    type_add(&t);
    buf_done(&b);
}

int record_shape(const struct type *t, const struct value *head, struct arena *a,
                 struct composite_attribute **ret)
{
    const struct attributes *as = attributes_of(t);
    struct reader r = reader_of(head ? head->s.p : "", head ? head->s.n : 0);
    int n = 0;
    *ret = ARENA_ARRAY(a, struct composite_attribute, as ? as->n + 1 : FIELDS_MAX + 1);
    for (; as && n < as->n; n++)
        (*ret)[n] = (struct composite_attribute){.name = (const char *)as + as->items[n].name,
                                                 .type = as->items[n].type,
                                                 .typmod = as->items[n].typmod};
    for (struct record_field f; !as && n < FIELDS_MAX && reader_left(&r) && scan_head(&r, &f); n++)
        (*ret)[n] = (struct composite_attribute){
            .name = arena_strndup(a, f.name, f.name_length), .type = f.type->oid, .typmod = -1};
    return n;
}
