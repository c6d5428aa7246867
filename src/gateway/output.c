/*
 * Results on their way out: rows are encoded straight into the session's output buffer, which is
 * sent whenever it is larger than FLUSH_BYTES.
 *
 * Rows that are to be sent in portions go to a portal's spool instead (cursor.c).
 */
#include "gateway/gateway_int.h"

void output__begin(struct output *o)
{
    o->rows = 0;
    o->mark = o->s->out.len;
    o->flushed_mark = o->s->flushed;
    if (o->spool)
        spool__clear(o->spool);
}

static int16_t format_of(const struct output *o, int column)
{
    return o->n_formats == 0 ? 0 : o->formats[o->n_formats == 1 ? 0 : column];
}

/* `s` NULL: in UTF-8 */
static void put_columns(const struct session *s, const struct output *o, struct buf *out)
{
    const struct entry *e = o->e;
    size_t at = pgwire_begin_columns(out, e->n_columns);
    for (int i = 0; i < e->n_columns; i++) {
        const struct type *t = e->column_types[i];
        const struct result_column *c = &e->columns[i];
        pgwire_put_column(out,
                          &(struct pgwire_column){.name = s ? recode__name(s, c->name) : c->name,
                                                  .table = c->table,
                                                  .number = c->column,
                                                  .type = t->oid,
                                                  .size = t->size,
                                                  .typmod = c->typmod,
                                                  .format = format_of(o, i)});
    }
    pgwire_end(out, at);
}

void output__prepare(struct entry *e)
{
    const struct output o = {.e = e};
    put_columns(NULL, &o, &e->description);
}

static bool is_text(const struct output *o)
{
    for (int i = 0; i < o->n_formats; i++)
        if (o->formats[i])
            return false;
    return true;
}

void output__describe(struct output *o, struct buf *out)
{
    if (!o->s->encoding && is_text(o))
        buf_append(out, o->e->description.data, o->e->description.len);
    else
        put_columns(o->s, o, out);
    o->described = true;
}

/* ---- rows --------------------------------------------------------------------------------- */

static void put_value(const struct output *o, int column, const struct value *v, struct buf *b)
{
    if (v->kind == VALUE_NULL) {
        buf_put32(b, UINT32_MAX);
        return;
    }
    const struct type *t = o->e->column_types[column];
    int32_t typmod = o->e->columns[column].typmod;
    buf_reserve(b, 4);
    size_t at = b->len;
    b->len += 4;
    if (format_of(o, column))
        type_send(t, v, typmod, b);
    else
        type_print(t, v, typmod, b);
    pgwire_set32(b, at, (uint32_t)(b->len - at - 4));
}

static struct error *put_values(const struct output *o, const struct value *values, int n,
                                struct buf *b)
{
    for (int i = 0; i < n; i++)
        put_value(o, i, &values[i], b);
    return NULL;
}

static struct error *put_recoded(const struct output *o, const struct value *values, int n,
                                 struct buf *b)
{
    for (int i = 0; i < n; i++) {
        size_t at = b->len;
        put_value(o, i, &values[i], b);
        if (values[i].kind == VALUE_NULL)
            continue;
        TRY(recode__field(o->s->encoding, o->e->column_types[i], format_of(o, i), b, at + 4));
        pgwire_set32(b, at, (uint32_t)(b->len - at - 4));
    }
    return NULL;
}

struct error *output__row(void *ctx, const struct value *values, int n)
{
    struct output *o = ctx;
    struct session *s = o->s;
    struct buf *b = &s->out;
    if (o->e->n_columns == 0)
        n = 0; /* SELECT without columns: SQLite has none, and sends one in its place */
    if (o->spool) {
        o->rows++;
        return spool__put(o->spool, values, n);
    }
    if (o->describe && !o->described)
        output__describe(o, b);
    size_t at = pgwire_begin_row(b, n);
    struct error *failed = s->encoding ? put_recoded(o, values, n, b) : put_values(o, values, n, b);
    if (failed) {
        b->len = at - 1;
        return failed;
    }
    if (b->len - at > PGWIRE_MAX_MESSAGE) {
        b->len = at - 1;
        return error_new("54000", "a result row is larger than 1 GB");
    }
    pgwire_end(b, at);
    o->rows++;
    if (b->len > FLUSH_BYTES && !io__flush(s))
        return error_new(E_CONNECTION, "connection to client lost");
    return NULL;
}

bool output__reset(void *ctx)
{
    struct output *o = ctx;
    if (o->spool) {
        spool__clear(o->spool);
        o->rows = 0;
        return true;
    }
    if (o->s->flushed != o->flushed_mark)
        return false;
    o->s->out.len = o->mark;
    o->rows = 0;
    o->described = false;
    return true;
}

void output__text_row(struct output *o, const char *const *texts, int n)
{
    struct value values[4];
    for (int i = 0; i < n; i++) {
        values[i] = (struct value){.kind = texts[i] ? VALUE_TEXT : VALUE_NULL};
        values[i].s.p = texts[i];
        values[i].s.n = texts[i] ? strlen(texts[i]) : 0;
    }
    error_free(output__row(o, values, n)); /* a lost connection shows at the next flush */
}

/* By hand: this is on the way of every short statement. */
void output__tag(struct session *s, const char *tag, int64_t rows)
{
    char digits[24], *p = digits + sizeof(digits);
    *--p = 0;
    for (uint64_t left = (uint64_t)rows; left || !*p; left /= 10)
        *--p = (char)('0' + left % 10);
    *--p = ' ';
    size_t at = pgwire_begin(&s->out, 'C');
    buf_puts(&s->out, tag);
    buf_append(&s->out, p, strlen(p) + 1);
    pgwire_end(&s->out, at);
}

void output__complete(struct output *o, int64_t rows)
{
    const struct query *q = o->e->query;
    if (o->spool)
        return; /* it is said with the last row */
    if (o->describe && !o->described && o->e->returns)
        output__describe(o, &o->s->out);
    if (!q->counts_rows) {
        pgwire_put_complete(&o->s->out, q->tag);
        return;
    }
    output__tag(o->s, q->tag, rows);
}
