/*
 * The log's decoder. An input is tried twice: as a segment's bytes as they are, and as a recipe:
 * records to encode, then bytes to change in them, which gets past the checksums. Of the latter,
 * all records that are read back must be among those that were written, in their order.
 */
#include "fuzz.h"

#include "wal/wal_int.h"

enum { SEGMENT = 7, MOST = 64 };

struct written {
    struct wal_record records[MOST];
    size_t offsets[MOST];
    size_t n, next; /* next: the first that may still come */
    bool strict;
};

static struct error *on_record(void *ctx, const struct wal_record *r, size_t offset)
{
    struct written *w = ctx;
    if (r->len > WAL_MAX_ENTRY || crc32c(r->crc, r->data, r->len) == 1)
        abort();
    if (!w->strict)
        return NULL;
    while (w->next < w->n && w->offsets[w->next] < offset)
        w->next++;
    if (w->next == w->n || w->offsets[w->next] != offset)
        abort();
    const struct wal_record *expected = &w->records[w->next++];
    if (expected->kind != r->kind || expected->region != r->region || expected->lsn != r->lsn ||
        expected->epoch != r->epoch || expected->len != r->len)
        abort();
    return NULL;
}

static void on_damage(void *ctx, size_t from, size_t to)
{
    if (from >= to)
        abort();
}

static void scan(const char *image, size_t len, bool proven, struct written *w)
{
    struct wal_scan s = {.ctx = w, .record = on_record, .damage = on_damage};
    size_t end;
    bool ended;
    struct error *e = wal__scan(image, len, SEGMENT, proven, &s, &end, &ended);
    if (e || end > len)
        abort();
}

static void scan_recipe(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    struct written w = {.strict = true};
    struct buf image = {0};
    bool proven = read8(&r) & 1;
    size_t records = read8(&r) % MOST, changes = read8(&r) % 8;
    for (; w.n < records; w.n++) {
        uint8_t what = read8(&r);
        static const char zeros[256];
        struct wal_record *record = &w.records[w.n];
        *record = (struct wal_record){.kind = (enum wal_kind)(WAL_BATCH + what % 4),
                                      .segment = SEGMENT,
                                      .region = what >> 2,
                                      .lsn = read8(&r),
                                      .epoch = read8(&r),
                                      .len = read8(&r),
                                      .data = zeros};
        w.offsets[w.n] = image.len;
        wal__encode(&image, record);
    }
    for (; changes && image.len; changes--) {
        size_t at = read16(&r) % image.len;
        image.data[at] = (char)(image.data[at] ^ read8(&r));
    }
    char *exact = mem_alloc(image.len + 1);
    memcpy(exact, image.data ? image.data : "", image.len);
    scan(exact, image.len, proven, &w);
    mem_free(exact);
    buf_done(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct written none = {0};
    scan((const char *)data, size, size & 1, &none);
    scan_recipe(data, size);
    return 0;
}
