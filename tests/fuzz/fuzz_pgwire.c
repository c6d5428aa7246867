/*
 * Fuzzing of what a client sends: the framing of a byte stream, every decoder, and the three COPY
 * readers. The first byte chooses the part; COPY input is cut into chunks by the data's own bytes,
 * and must come out the same as uncut.
 */
#include "pgwire/pgwire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const struct pgwire_frame *f, struct arena *a)
{
    union {
        struct pgwire_parse parse;
        struct pgwire_bind bind;
        struct pgwire_execute execute;
        struct pgwire_target target;
        const char *text;
    } u;
    struct error *e = NULL;
    switch (f->type) {
    case 'Q':
        e = pgwire_decode_query(f, &u.text);
        break;
    case 'P':
        e = pgwire_decode_parse(f, a, &u.parse);
        break;
    case 'B':
        e = pgwire_decode_bind(f, a, &u.bind);
        break;
    case 'E':
        e = pgwire_decode_execute(f, &u.execute);
        break;
    case 'D':
    case 'C':
        e = pgwire_decode_target(f, &u.target);
        break;
    case 'f':
        e = pgwire_decode_copy_fail(f, &u.text);
        break;
    case 'p':
        e = pgwire_decode_password(f, &u.text);
        break;
    case 'd':
        e = pgwire_check_utf8(f->body, f->len);
        break;
    default:
        e = pgwire_decode_empty(f);
    }
    error_free(e);
}

static void stream(enum pgwire_phase phase, const char *p, size_t n)
{
    struct arena a = {0};
    while (n) {
        struct pgwire_frame f;
        size_t need = 0;
        struct error *e = pgwire_next_frame(phase, p, n, &f, &need);
        if (e || need) {
            assert(e || need > n);
            error_free(e);
            break;
        }
        assert(f.total <= n && f.body + f.len == p + f.total);
        if (phase == PGWIRE_STARTING) {
            struct pgwire_start s;
            error_free(pgwire_decode_start(&f, &s));
        } else {
            decode(&f, &a);
        }
        p += f.total;
        n -= f.total;
    }
    arena_done(&a);
}

/* A hash over all rows, and over whether it ended in an error. */
static uint64_t copy(enum pgwire_copy_format format, const char *p, size_t n, size_t chunk)
{
    struct pgwire_copy_options o = pgwire_copy_defaults(format);
    struct pgwire_copy *c = pgwire_copy_new(&o, 3);
    uint64_t hash = 0;
    struct error *e = NULL;
    for (bool last = false; !last && !e;) {
        size_t take = MIN(chunk, n);
        last = take == 0;
        char *own = mem_alloc(take);
        memcpy(own, p, take);
        if (last)
            pgwire_copy_finish(c);
        else
            pgwire_copy_feed(c, own, take);
        p += take;
        n -= take;
        struct pgwire_copy_row row;
        enum pgwire_copy_step step;
        while (!(e = pgwire_copy_next(c, &step, &row)) && step == PGWIRE_COPY_ROW)
            for (int i = 0; i < row.n; i++)
                hash = hash * 31 +
                       (row.fields[i].p ? hash_bytes(row.fields[i].p, row.fields[i].n) : 7);
        mem_free(own);
    }
    hash = e ? hash * 31 + 1 : hash * 31;
    error_free(e);
    pgwire_copy_free(c);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *p = (const char *)data + 2;
    size_t n = size - 2;
    if (data[0] % 5 < 2) {
        stream(data[0] % 5 ? PGWIRE_RUNNING : PGWIRE_STARTING, p, n);
        return 0;
    }
    enum pgwire_copy_format format = (enum pgwire_copy_format)(data[0] % 5 - 2);
    if (copy(format, p, n, n + 1) != copy(format, p, n, 1 + data[1] % 16))
        abort();
    return 0;
}
