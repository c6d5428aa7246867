/*
 * Row changes as bytes (store_int.h describes them), and back. Decoding trusts nothing: every
 * number is checked against what is left of the bytes before it sizes anything.
 */
#include "store_int.h"

#include <endian.h>

/* ---- writing ------------------------------------------------------------------------------ */

void store__put_number(struct buf *b, uint64_t v)
{
    char bytes[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        bytes[n++] = (char)(v | 0x80);
    bytes[n++] = (char)v;
    buf_append(b, bytes, n);
}

void store__put_signed(struct buf *b, int64_t v)
{
    store__put_number(b, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

enum tag { TAG_NULL, TAG_INT, TAG_REAL, TAG_TEXT, TAG_BLOB };

void store__put_value(struct buf *b, const struct value *v)
{
    switch (v->kind) {
    case VALUE_NULL:
        buf_put8(b, TAG_NULL);
        break;
    case VALUE_INT:
        buf_put8(b, TAG_INT);
        store__put_signed(b, v->i);
        break;
    case VALUE_REAL: {
        uint64_t bits;
        memcpy(&bits, &v->r, sizeof(bits));
        buf_put8(b, TAG_REAL);
        buf_put64(b, bits);
        break;
    }
    case VALUE_TEXT:
    case VALUE_BLOB:
        buf_put8(b, v->kind == VALUE_TEXT ? TAG_TEXT : TAG_BLOB);
        store__put_number(b, v->s.n);
        buf_append(b, v->s.p, v->s.n);
        break;
    }
}

void store__put_definition(struct buf *b, const struct store_definition *d)
{
    buf_put8(b, 'T');
    store__put_number(b, d->name_len);
    buf_append(b, d->name, d->name_len);
    buf_put8(b, d->without_rowid);
    store__put_number(b, (uint64_t)d->n_columns);
    store__put_number(b, (uint64_t)d->n_key);
}

void store__put_ddl(struct buf *b, const char *ddl, size_t len, uint64_t schema_version)
{
    buf_put8(b, 'S');
    store__put_number(b, schema_version);
    store__put_number(b, len);
    buf_append(b, ddl, len);
}

/* ---- reading ------------------------------------------------------------------------------ */

static uint64_t read_number(struct reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = read8(r);
        if (shift == 63 && byte > 1)
            break;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return v;
    }
    r->failed = true;
    return 0;
}

static int64_t read_signed(struct reader *r)
{
    uint64_t v = read_number(r);
    return (int64_t)((v >> 1) ^ (0 - (v & 1)));
}

static void read_value(struct reader *r, struct value *ret)
{
    uint64_t bits;
    *ret = (struct value){.kind = VALUE_NULL};
    uint8_t tag = read8(r);
    switch (tag) {
    case TAG_NULL:
        break;
    case TAG_INT:
        ret->kind = VALUE_INT;
        ret->i = read_signed(r);
        break;
    case TAG_REAL:
        ret->kind = VALUE_REAL;
        bits = read64(r);
        memcpy(&ret->r, &bits, sizeof(bits));
        break;
    case TAG_TEXT:
    case TAG_BLOB: {
        uint64_t n = read_number(r);
        const char *p = n <= reader_left(r) ? read_bytes(r, (size_t)n) : NULL;
        if (!p) {
            r->failed = true;
            return;
        }
        ret->kind = tag == TAG_TEXT ? VALUE_TEXT : VALUE_BLOB;
        ret->s.p = p;
        ret->s.n = (size_t)n;
        break;
    }
    default:
        r->failed = true;
    }
}

void store__decoder_init(struct store_decoder *d, const void *data, size_t len)
{
    *d = (struct store_decoder){.r = reader_of(data, len)};
    if (len && read8(&d->r) != STORE_CHANGES_VERSION)
        d->r.failed = true;
}

void store__decoder_done(struct store_decoder *d)
{
    mem_free(d->definitions);
    mem_free(d->values);
}

static void read_definition(struct store_decoder *d, struct store_change *ret)
{
    struct reader *r = &d->r;
    struct store_definition t = {0};
    uint64_t len = read_number(r);
    t.name = len <= reader_left(r) ? read_bytes(r, (size_t)len) : NULL;
    t.name_len = (size_t)len;
    uint8_t kind = read8(r);
    uint64_t columns = read_number(r), key = read_number(r);
    t.without_rowid = kind == 1;
    if (!t.name || !len || memchr(t.name, 0, t.name_len) || kind > 1 || !columns ||
        columns > STORE_MAX_COLUMNS || key > columns || (key > 0) != t.without_rowid) {
        r->failed = true;
        return;
    }
    t.n_columns = (int)columns;
    t.n_key = (int)key;
    if (d->n_definitions == d->cap_definitions) {
        d->cap_definitions = d->cap_definitions ? d->cap_definitions * 2 : 8;
        d->definitions = mem_realloc(d->definitions, d->cap_definitions * sizeof(*d->definitions));
    }
    d->definitions[d->n_definitions++] = t;
    ret->definition = t;
}

static void read_change(struct store_decoder *d, struct store_change *ret)
{
    struct reader *r = &d->r;
    uint64_t table = read_number(r);
    if (table >= d->n_definitions) {
        r->failed = true;
        return;
    }
    const struct store_definition *t = &d->definitions[table];
    size_t n_key = (size_t)t->n_key, n_columns = (size_t)t->n_columns;
    if (n_key + n_columns > d->cap_values) {
        d->cap_values = n_key + n_columns;
        d->values = mem_realloc(d->values, d->cap_values * sizeof(*d->values));
    }
    ret->table = (size_t)table;
    ret->key = d->values;
    ret->values = d->values + n_key;
    if (!t->without_rowid)
        ret->rowid = ret->new_rowid = read_signed(r);
    else if (ret->op != 'I')
        for (size_t i = 0; i < n_key; i++)
            read_value(r, &d->values[i]);
    if (!t->without_rowid && ret->op == 'U')
        ret->new_rowid = read_signed(r);
    if (ret->op != 'D')
        for (size_t i = 0; i < n_columns && !r->failed; i++)
            read_value(r, &d->values[n_key + i]);
}

static void read_ddl(struct store_decoder *d, struct store_change *ret)
{
    struct reader *r = &d->r;
    ret->schema_version = read_number(r);
    uint64_t len = read_number(r);
    ret->ddl = len <= reader_left(r) ? read_bytes(r, (size_t)len) : NULL;
    ret->ddl_len = (size_t)len;
    if (!ret->ddl || ret->schema_version > INT64_MAX)
        r->failed = true;
}

struct error *store__decode(struct store_decoder *d, struct store_change *ret, bool *ret_found)
{
    *ret_found = false;
    if (reader_ok(&d->r) && !reader_left(&d->r))
        return NULL;
    *ret = (struct store_change){.op = (char)read8(&d->r)};
    if (ret->op == 'T')
        read_definition(d, ret);
    else if (ret->op == 'S')
        read_ddl(d, ret);
    else if (ret->op == 'I' || ret->op == 'U' || ret->op == 'D')
        read_change(d, ret);
    else
        d->r.failed = true;
    if (!reader_ok(&d->r))
        return error_new(E_DAMAGED, "row changes are damaged");
    *ret_found = true;
    return NULL;
}
