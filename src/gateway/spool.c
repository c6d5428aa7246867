/*
 * Rows that are sent in portions: all rows of a cursor's query, or of an Execute with a row limit.
 *
 * They are kept as values, not as they are sent, since it is a FETCH that says in which format. The
 * last MiB is in memory, what came before it in an unlinked temporary file. Each row is
 *
 *   length:4  the row, see exec_rows_put()  length:4
 *
 * so that one can go forward and back. So no statement stands half done between two messages: it
 * holds no snapshot, no lock and no connection, and a cursor sees what was there when it was made.
 */
#include "gateway/gateway_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* P_tmpdir */
#include <unistd.h>

enum { SPOOL_MEMORY = 1024 * 1024, FRAME = 4 };

struct spool *spool__new(void)
{
    struct spool *p = NEW(struct spool);
    p->fd = -1;
    return p;
}

void spool__clear(struct spool *p)
{
    fd_closep(&p->fd);
    buf_clear(&p->memory);
    error_free(p->failed);
    *p = (struct spool){.memory = p->memory, .row = p->row, .fd = -1};
}

void spool__free(struct spool *p)
{
    if (!p)
        return;
    spool__clear(p);
    buf_done(&p->memory);
    buf_done(&p->row);
    mem_free(p);
}

static struct error *to_file(struct spool *p)
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

struct error *spool__put(struct spool *p, const struct value *values, int n)
{
    size_t at = p->memory.len;
    buf_put32(&p->memory, 0);
    exec_rows_put(&p->memory, values, n);
    size_t len = p->memory.len - at - FRAME;
    if (len > UINT32_MAX / 4) {
        p->memory.len = at;
        return error_new("54000", "a result row is larger than 1 GB");
    }
    pgwire_set32(&p->memory, at, (uint32_t)len);
    buf_put32(&p->memory, (uint32_t)len);
    p->rows++;
    return p->memory.len > SPOOL_MEMORY ? to_file(p) : NULL;
}

/* No row lies across the border between file and memory. */
static struct error *read_at(struct spool *p, uint64_t at, void *to, size_t n)
{
    if (at >= p->len) {
        memcpy(to, p->memory.data + (at - p->len), n);
        return NULL;
    }
    for (char *c = to; n;) {
        ssize_t got = pread(p->fd, c, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_errno(E_IO, errno, "could not read a temporary file");
        c += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return NULL;
}

static struct error *read_length(struct spool *p, uint64_t at, uint64_t *ret)
{
    char frame[FRAME];
    TRY(read_at(p, at, frame, sizeof(frame)));
    struct reader r = reader_of(frame, sizeof(frame));
    *ret = read32(&r);
    return NULL;
}

static struct error *read_row(struct spool *p, uint64_t at, uint64_t len, struct value *ret,
                              int max, int *ret_n)
{
    buf_clear(&p->row);
    buf_reserve(&p->row, len);
    TRY(read_at(p, at, p->row.data, len));
    struct reader r = reader_of(p->row.data, len);
    return exec_rows_get(&r, ret, max, ret_n);
}

struct error *spool__next(struct spool *p, struct value *ret, int max, int *ret_n)
{
    *ret_n = -1;
    if (p->at >= p->rows) {
        p->at = p->rows + 1;
        return p->failed ? error_copy(p->failed) : NULL;
    }
    uint64_t len;
    TRY(read_length(p, p->pos, &len));
    TRY(read_row(p, p->pos + FRAME, len, ret, max, ret_n));
    p->pos += len + 2 * FRAME;
    p->at++;
    return NULL;
}

/* From one row to the one before it: over the row on which we are, unless we are behind all. */
struct error *spool__previous(struct spool *p, struct value *ret, int max, int *ret_n)
{
    uint64_t len;
    *ret_n = -1;
    if (p->at == 0)
        return NULL;
    if (p->at <= p->rows) {
        TRY(read_length(p, p->pos - FRAME, &len));
        p->pos -= len + 2 * FRAME;
    }
    if (--p->at == 0)
        return NULL;
    TRY(read_length(p, p->pos - FRAME, &len));
    return read_row(p, p->pos - FRAME - len, len, ret, max, ret_n);
}
