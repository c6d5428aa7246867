/*
 * Results on their way out: rows are encoded straight into the session's output buffer, which is
 * sent whenever it is larger than FLUSH_BYTES.
 *
 * An Execute with a row limit sends that many rows and spools the rest, encoded, with the portal:
 * up to 1 MiB in memory, then in an unlinked temporary file. So a statement never stands half done
 * between two messages.
 */
#include "gateway/gateway_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* P_tmpdir */
#include <unistd.h>

enum { SPOOL_MEMORY = 1024 * 1024 };

void output__begin(struct output *o)
{
    o->rows = 0;
    o->mark = o->s->out.len;
    o->flushed_mark = o->s->flushed;
}

static int16_t format_of(const struct output *o, int column)
{
    return o->n_formats == 0 ? 0 : o->formats[o->n_formats == 1 ? 0 : column];
}

void output__describe(struct output *o, struct buf *out)
{
    const struct entry *e = o->e;
    size_t at = pgwire_begin_columns(out, e->n_columns);
    for (int i = 0; i < e->n_columns; i++) {
        const struct type *t = e->column_types[i];
        pgwire_put_column(out, e->columns[i].name, t->oid, t->size, e->columns[i].typmod,
                          format_of(o, i));
    }
    pgwire_end(out, at);
    o->described = true;
}

/* ---- the spool ---------------------------------------------------------------------------- */

void spool__free(struct spool *p)
{
    if (!p)
        return;
    fd_closep(&p->fd);
    buf_done(&p->memory);
    mem_free(p);
}

static struct error *spool_to_file(struct spool *p)
{
    if (p->fd < 0)
        p->fd = open(P_tmpdir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (p->fd < 0)
        return error_errno(E_IO, errno, "could not create a temporary file in %s", P_tmpdir);
    for (size_t at = 0; at < p->memory.len;) {
        ssize_t n = pwrite(p->fd, p->memory.data + at, p->memory.len - at, (off_t)p->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(errno == ENOSPC ? E_DISK_FULL : E_IO, errno,
                               "could not write to a temporary file");
        at += (size_t)n;
        p->len += (uint64_t)n;
    }
    buf_clear(&p->memory);
    return NULL;
}

static struct error *spool_read(struct spool *p, uint64_t at, char *to, size_t n)
{
    if (p->fd < 0) {
        memcpy(to, p->memory.data + at, n);
        return NULL;
    }
    while (n) {
        ssize_t got = pread(p->fd, to, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_errno(E_IO, errno, "could not read a temporary file");
        to += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return NULL;
}

/* One message, header and body, from the spool to the output. */
static struct error *spool_copy_row(struct spool *p, struct buf *out)
{
    char head[5];
    TRY(spool_read(p, p->pos, head, sizeof(head)));
    struct reader r = reader_of(head + 1, 4);
    size_t total = (size_t)read32(&r) + 1;
    buf_reserve(out, total);
    TRY(spool_read(p, p->pos, out->data + out->len, total));
    out->len += total;
    p->pos += total;
    return NULL;
}

struct error *spool__send(struct session *s, struct spool *p, int64_t limit, bool *ret_done,
                          int64_t *ret_sent)
{
    if (p->fd >= 0 && p->memory.len)
        TRY(spool_to_file(p));
    uint64_t end = p->fd >= 0 ? p->len : p->memory.len;
    int64_t sent = 0;
    while (p->pos < end && (limit <= 0 || sent < limit)) {
        TRY(spool_copy_row(p, &s->out));
        sent++;
        if (s->out.len > FLUSH_BYTES && !io__flush(s))
            return error_new(E_CONNECTION, "connection to client lost");
    }
    *ret_done = p->pos == end;
    *ret_sent = sent;
    return NULL;
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

static struct buf *spool_of(struct output *o)
{
    if (!o->portal->spool) {
        o->portal->spool = NEW(struct spool);
        o->portal->spool->fd = -1;
    }
    return &o->portal->spool->memory;
}

struct error *output__row(void *ctx, const struct value *values, int n)
{
    struct output *o = ctx;
    struct session *s = o->s;
    if (o->describe && !o->described)
        output__describe(o, &s->out);
    if (o->e->n_columns == 0)
        n = 0; /* SELECT without columns: SQLite has none, and sends one in its place */
    bool later = o->limit > 0 && o->rows >= o->limit;
    struct buf *b = later ? spool_of(o) : &s->out;
    size_t at = pgwire_begin_row(b, n);
    for (int i = 0; i < n; i++)
        put_value(o, i, &values[i], b);
    if (b->len - at > PGWIRE_MAX_MESSAGE) {
        b->len = at - 1;
        return error_new("54000", "a result row is larger than 1 GB");
    }
    pgwire_end(b, at);
    o->rows++;
    if (later)
        return b->len > SPOOL_MEMORY ? spool_to_file(o->portal->spool) : NULL;
    if (b->len > FLUSH_BYTES && !io__flush(s))
        return error_new(E_CONNECTION, "connection to client lost");
    return NULL;
}

bool output__reset(void *ctx)
{
    struct output *o = ctx;
    if (o->s->flushed != o->flushed_mark)
        return false;
    o->s->out.len = o->mark;
    o->rows = 0;
    o->described = false;
    if (o->portal) {
        spool__free(o->portal->spool);
        o->portal->spool = NULL;
    }
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
    if (o->describe && !o->described && o->e->returns)
        output__describe(o, &o->s->out);
    if (!q->counts_rows) {
        pgwire_put_complete(&o->s->out, q->tag);
        return;
    }
    output__tag(o->s, q->tag, rows);
}
