/*
 * Rows and parameters between servers.
 *
 *   stream:  item*               over any number of CopyData messages, each of whole items
 *   item:    'R' count:2 value*  a row         |  'T' affected:8    the last item
 *            'V' sequence:8 value:8 last:1        drawn from a sequence; 1: the last one
 *            'W' sequence:8 last:8 called:1       where one of the transaction's own is
 *   value:   'n'                 NULL
 *            '1' '2' '4' '8'     an integer in as many bytes
 *            'r' bits:8          a double
 *            's' len:1 bytes     short text    |  't' len:4 bytes    |  'b' len:4 bytes (blob)
 *
 * The same stream, kept with a write's request id, is what a retry of it is answered with.
 * Values say themselves what they are, as in SQLite, so that neither side needs to know the types
 * of a fragment.
 */
#include "exec/exec_int.h"

static void put_int(struct buf *out, int64_t i)
{
    if (i == (int8_t)i) {
        buf_put8(out, '1');
        buf_put8(out, (uint8_t)i);
    } else if (i == (int16_t)i) {
        buf_put8(out, '2');
        buf_put16(out, (uint16_t)i);
    } else if (i == (int32_t)i) {
        buf_put8(out, '4');
        buf_put32(out, (uint32_t)i);
    } else {
        buf_put8(out, '8');
        buf_put64(out, (uint64_t)i);
    }
}

static void put_value(struct buf *out, const struct value *v)
{
    uint64_t bits;
    switch (v->kind) {
    case VALUE_NULL:
        buf_put8(out, 'n');
        break;
    case VALUE_INT:
        put_int(out, v->i);
        break;
    case VALUE_REAL:
        memcpy(&bits, &v->r, sizeof(bits));
        buf_put8(out, 'r');
        buf_put64(out, bits);
        break;
    case VALUE_TEXT:
        if (v->s.n < 256) {
            buf_put8(out, 's');
            buf_put8(out, (uint8_t)v->s.n);
            buf_append(out, v->s.p, v->s.n);
            break;
        }
        /* fall through */
    case VALUE_BLOB:
        buf_put8(out, v->kind == VALUE_TEXT ? 't' : 'b');
        buf_put32(out, (uint32_t)v->s.n);
        buf_append(out, v->s.p, v->s.n);
        break;
    }
}

void exec_rows_put(struct buf *out, const struct value *values, int n)
{
    buf_put8(out, 'R');
    buf_put16(out, (uint16_t)n);
    for (int i = 0; i < n; i++)
        put_value(out, &values[i]);
}

static void get_bytes(struct reader *in, enum value_kind kind, size_t n, struct value *ret)
{
    ret->kind = kind;
    ret->s.n = n;
    ret->s.p = read_bytes(in, n);
    if (!ret->s.p)
        *ret = (struct value){.kind = VALUE_NULL};
}

static void get_value(struct reader *in, struct value *ret)
{
    uint64_t bits;
    *ret = (struct value){.kind = VALUE_INT};
    switch (read8(in)) {
    case 'n':
        ret->kind = VALUE_NULL;
        break;
    case '1':
        ret->i = (int8_t)read8(in);
        break;
    case '2':
        ret->i = (int16_t)read16(in);
        break;
    case '4':
        ret->i = (int32_t)read32(in);
        break;
    case '8':
        ret->i = (int64_t)read64(in);
        break;
    case 'r':
        bits = read64(in);
        ret->kind = VALUE_REAL;
        memcpy(&ret->r, &bits, sizeof(bits));
        break;
    case 's':
        get_bytes(in, VALUE_TEXT, read8(in), ret);
        break;
    case 't':
        get_bytes(in, VALUE_TEXT, read32(in), ret);
        break;
    case 'b':
        get_bytes(in, VALUE_BLOB, read32(in), ret);
        break;
    default:
        in->failed = true;
    }
}

static struct error *damaged(void)
{
    return error_new(E_PROTOCOL, "invalid row from another server");
}

/* After the 'R'. */
static struct error *get_row(struct reader *in, struct value *ret, int max, int *ret_n)
{
    int n = read16(in);
    if (!reader_ok(in) || n > max)
        return damaged();
    for (int i = 0; i < n; i++)
        get_value(in, &ret[i]);
    if (!reader_ok(in))
        return damaged();
    *ret_n = n;
    return NULL;
}

struct error *exec_rows_get(struct reader *in, struct value *ret, int max, int *ret_n)
{
    if (read8(in) != 'R')
        return damaged();
    return get_row(in, ret, max, ret_n);
}

static void put_drawn(struct buf *out, const struct exec_session *s, bool all)
{
    for (int i = 0; i < s->n_drawn; i++) {
        const struct drawn *d = &s->drawn[i];
        if (!all && !d->fresh)
            continue;
        buf_put8(out, 'V');
        buf_put64(out, d->sequence);
        buf_put64(out, (uint64_t)d->value);
        buf_put8(out, d->sequence == s->last_drawn);
    }
    for (int i = 0; i < s->n_made; i++) {
        const struct sequence *q = exec__made_at(s, i);
        if (!q)
            continue;
        buf_put8(out, 'W');
        buf_put64(out, q->id);
        buf_put64(out, (uint64_t)q->last);
        buf_put8(out, q->called);
    }
}

/* After the 'V' or 'W'. */
static struct error *get_drawn(struct reader *in, uint8_t tag, struct exec_session *s)
{
    uint64_t sequence = read64(in);
    int64_t value = (int64_t)read64(in);
    bool flag = read8(in) == 1;
    if (!reader_ok(in))
        return damaged();
    if (s && tag == 'V')
        exec__drew(s, sequence, value, flag);
    else if (s)
        exec__made_is_at(s, sequence, value, flag);
    return NULL;
}

void exec__end_put(struct buf *out, const struct exec_session *s, int64_t count)
{
    put_drawn(out, s, false);
    buf_put8(out, 'T');
    buf_put64(out, (uint64_t)count);
}

enum { ROW_MAX = 65535, ROW_SMALL = 64 };

static struct error *stream_get(struct reader *in, struct value *values, int max,
                                struct exec_session *s, exec__row_fn row, void *ctx,
                                int64_t *ret_count, bool *ret_end)
{
    while (reader_left(in) > 0 && !*ret_end) {
        uint8_t tag = read8(in);
        int n = 0;
        if (tag == 'T') {
            *ret_count = (int64_t)read64(in);
            *ret_end = true;
        } else if (tag == 'R') {
            TRY(get_row(in, values, max, &n));
            if (row)
                TRY(row(ctx, values, n));
        } else if (tag == 'V' || tag == 'W') {
            TRY(get_drawn(in, tag, s));
        } else {
            return damaged();
        }
    }
    return reader_ok(in) && reader_left(in) == 0 ? NULL : damaged();
}

/* One message of a stream, or the whole. */
struct error *exec__stream_get(const char *data, size_t len, struct exec_session *s,
                               exec__row_fn row, void *ctx, int64_t *ret_count, bool *ret_end)
{
    struct reader in = reader_of(data, len);
    struct value small[ROW_SMALL];
    /* All rows of a stream are equally wide: the first one says whether the small array does. */
    bool wide =
        len >= 3 && data[0] == 'R' && ((uint8_t)data[1] << 8 | (uint8_t)data[2]) > ROW_SMALL;
    if (!wide)
        return stream_get(&in, small, ROW_SMALL, s, row, ctx, ret_count, ret_end);
    struct value *values = mem_alloc(sizeof(*values) * ROW_MAX);
    struct error *e = stream_get(&in, values, ROW_MAX, s, row, ctx, ret_count, ret_end);
    mem_free(values);
    return e;
}

void exec__args_put(struct buf *out, const struct store_request *request,
                    const struct value *params, int n, const struct exec_session *s)
{
    buf_put8(out, request ? 'Q' : 'N');
    if (request) {
        buf_put64(out, request->gateway);
        buf_put32(out, request->slot);
        buf_put64(out, request->seq);
    }
    exec_rows_put(out, params, n);
    if (s)
        put_drawn(out, s, true);
}

struct error *exec__args_get(const char *data, size_t len, struct arena *a, struct exec_session *s,
                             bool *ret_has_request, struct store_request *ret_request,
                             const struct value **ret, int *ret_n)
{
    struct reader in = reader_of(data, len);
    uint8_t tag = read8(&in);
    *ret_has_request = tag == 'Q';
    if (tag == 'Q') {
        ret_request->gateway = read64(&in);
        ret_request->slot = read32(&in);
        ret_request->seq = read64(&in);
    }
    if (!reader_ok(&in) || (tag != 'Q' && tag != 'N'))
        return damaged();
    /* A value takes a byte at least, which bounds what a hostile count can make us allocate. */
    size_t max = MIN(reader_left(&in), (size_t)ROW_MAX);
    struct value *values = ARENA_ARRAY(a, struct value, max + 1);
    TRY(exec_rows_get(&in, values, (int)max, ret_n));
    *ret = values;
    exec_forget_sequences(s);
    while (reader_left(&in) > 0) {
        uint8_t what = read8(&in);
        if (what != 'V' && what != 'W')
            return damaged();
        TRY(get_drawn(&in, what, s));
    }
    exec__drawn_settle(s);
    return NULL;
}
