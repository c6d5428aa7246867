/*
 * Messages of a snapshot, as either side gets them from the other: whatever comes, what decodes can
 * be read to its last byte, and pages unpack to exactly as many bytes as there is room for, or not
 * at all.
 */
#include "fuzz.h"

#include "region/snapshot.h"

static void unpack(const struct snapshot_message *m)
{
    ZSTD_DCtx *z = ZSTD_createDCtx();
    char *pages = mem_alloc(m->n * SNAPSHOT_PAGE);
    struct error *e = snapshot_unpack(z, m, pages);
    if (!e && crc32c(0, pages, m->n * SNAPSHOT_PAGE) == 0xdeadbeef)
        abort(); /* reads all of it */
    error_free(e);
    mem_free(pages);
    ZSTD_freeDCtx(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct snapshot_message m;
    char *exact = mem_alloc(size + 1);
    memcpy(exact, data, size);
    struct error *e = snapshot_get(exact, size, &m);
    if (!e && m.kind == SNAPSHOT_PAGES)
        unpack(&m);
    if (!e && m.kind == SNAPSHOT_HAVE &&
        crc32c(0, m.hashes, m.n * sizeof(struct page_hash)) == 0xdeadbeef)
        abort();
    if (!e && m.kind != SNAPSHOT_PAGES) { /* it says the same when it is said again */
        _cleanup_(buf_done) struct buf b = {0};
        snapshot_put(&b, &m);
        if (m.kind != SNAPSHOT_PROGRESS && (b.len != size || memcmp(b.data, exact, size) != 0))
            abort();
    }
    error_free(e);
    mem_free(exact);
    return 0;
}
