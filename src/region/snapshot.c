/*
 * Snapshots: how a learner gets a region's file when its primary's log does not reach back far
 * enough.
 *
 * The receiver says what it has: the hash of each page of a file that it keeps beside the region's
 * own, region-N.incoming. That begins as a copy of what the receiver held of the region before,
 * even if it is old or damaged. The sender then compares its own pages with that list and sends
 * those that differ, until both have the same. So one mechanism serves a server without anything,
 * one that comes back after long, one whose file is damaged, and one whose transfer was cut off, at
 * whichever primary it goes on.
 *
 * The sender goes through its file more than once. First it reads pages as they lie in the file,
 * while it changes (store_scan): whatever is wrong with what it sends, it notes what it sent. This
 * is where nearly all is sent, and it may take as long as the rate allows. What then remains to be
 * sent is little, and that is done in one pass over the pages of one commit (store_snapshot), which
 * holds back nobody, but keeps SQLite's WAL from being started over.
 *
 * The connection is COPY BOTH. Messages are a version byte, a kind byte, fields in network order:
 *
 *   to the sender     HAVE      hash[16]..                         any number, then CopyDone
 *   to the receiver   PROGRESS  last pass:1 pages done:8 of:8      every now and then
 *                     PAGES     n:4, zstd of n * (number:8, page)
 *                     END       pages:8 digest:32    the file is that long, and this
 *                                                                  is the hash over all its hashes
 *
 * Here is what both sides share; snapshot_send.c and snapshot_fetch.c are the two.
 */
#include "region/snapshot.h"

enum { LEVEL = 1, DIGEST_BYTES = 32 };

/* ---- hashes -----------------------------------------------------------------------------------
 */

void hasher_init(struct hasher *h)
{
    h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    h->ctx = EVP_MD_CTX_new();
    if (!h->md || !h->ctx) {
        log_error("the crypto library has no SHA-256");
        abort();
    }
}

void hasher_done(struct hasher *h)
{
    EVP_MD_CTX_free(h->ctx);
    EVP_MD_free(h->md);
}

static void hash(struct hasher *h, const void *data, size_t len, uint8_t ret[DIGEST_BYTES])
{
    unsigned n;
    EVP_DigestInit_ex2(h->ctx, h->md, NULL);
    EVP_DigestUpdate(h->ctx, data, len);
    EVP_DigestFinal_ex(h->ctx, ret, &n);
}

/* A user chooses what pages hold, so nothing weaker than a cryptographic hash tells them apart. */
struct page_hash page_hash(struct hasher *h, const void *page)
{
    uint8_t whole[DIGEST_BYTES];
    struct page_hash ret;
    hash(h, page, STORE_PAGE, whole);
    memcpy(ret.bytes, whole, sizeof(ret.bytes));
    return ret;
}

void page_list_resize(struct page_list *l, uint64_t n)
{
    if (n > l->cap) {
        l->cap = MAX(n, l->cap + l->cap / 2);
        l->pages = mem_realloc(l->pages, l->cap * sizeof(*l->pages));
    }
    if (n > l->n)
        memset(l->pages + l->n, 0, (n - l->n) * sizeof(*l->pages));
    l->n = n;
}

void page_list_set(struct page_list *l, uint64_t number, struct page_hash h)
{
    if (number >= l->n)
        page_list_resize(l, number + 1);
    l->pages[number] = h;
}

bool page_list_has(const struct page_list *l, uint64_t number, struct page_hash h)
{
    return number < l->n && memcmp(&l->pages[number], &h, sizeof(h)) == 0;
}

void page_list_digest(const struct page_list *l, struct hasher *h, uint8_t ret[DIGEST_BYTES])
{
    hash(h, l->pages, l->n * sizeof(*l->pages), ret);
}

void page_list_done(struct page_list *l)
{
    mem_free(l->pages);
}

/* ---- messages ---------------------------------------------------------------------------------
 */

void snapshot_put(struct buf *out, const struct snapshot_message *m)
{
    buf_clear(out);
    buf_put8(out, SNAPSHOT_VERSION);
    buf_put8(out, (uint8_t)m->kind);
    switch (m->kind) {
    case SNAPSHOT_HAVE:
        buf_append(out, m->hashes, m->n * sizeof(struct page_hash));
        break;
    case SNAPSHOT_PROGRESS:
        buf_put8(out, m->last_pass);
        buf_put64(out, m->done);
        buf_put64(out, m->pages);
        break;
    case SNAPSHOT_PAGES:
        buf_put32(out, m->n);
        buf_append(out, m->packed, m->packed_len);
        break;
    case SNAPSHOT_END:
        buf_put64(out, m->pages);
        buf_append(out, m->digest, sizeof(m->digest));
        break;
    }
}

static bool get_fields(struct reader *r, struct snapshot_message *m)
{
    const char *digest;
    switch (m->kind) {
    case SNAPSHOT_HAVE:
        m->n = (uint32_t)(reader_left(r) / sizeof(struct page_hash));
        m->hashes = read_bytes(r, m->n * sizeof(struct page_hash));
        break;
    case SNAPSHOT_PROGRESS:
        m->last_pass = read8(r) != 0;
        m->done = read64(r);
        m->pages = read64(r);
        break;
    case SNAPSHOT_PAGES:
        m->n = read32(r);
        m->packed_len = reader_left(r);
        m->packed = read_bytes(r, m->packed_len);
        if (m->n == 0 || m->n > SNAPSHOT_AT_ONCE)
            return false;
        break;
    case SNAPSHOT_END:
        m->pages = read64(r);
        digest = read_bytes(r, sizeof(m->digest));
        if (digest)
            memcpy(m->digest, digest, sizeof(m->digest));
        break;
    default:
        return false;
    }
    return reader_ok(r) && reader_left(r) == 0 && m->pages <= SNAPSHOT_MAX_PAGES;
}

struct error *snapshot_get(const void *data, size_t len, struct snapshot_message *ret)
{
    struct reader r = reader_of(data, len);
    struct snapshot_message m = {0};
    uint8_t version = read8(&r);
    m.kind = (enum snapshot_kind)read8(&r);
    if (reader_ok(&r) && version != SNAPSHOT_VERSION)
        return error_hint(error_new(E_UNSUPPORTED, "a snapshot has format %u", version),
                          "Its two servers run different versions of MiniSQL: upgrade the older.");
    if (!reader_ok(&r) || !get_fields(&r, &m))
        return error_new(E_PROTOCOL, "a message of a snapshot is malformed");
    *ret = m;
    return NULL;
}

/* ---- compression ------------------------------------------------------------------------------
 */

struct error *snapshot_pack(ZSTD_CCtx *z, const struct buf *pages, struct buf *ret)
{
    size_t bound = ZSTD_compressBound(pages->len);
    buf_clear(ret);
    buf_reserve(ret, bound);
    size_t n = ZSTD_compressCCtx(z, ret->data, bound, pages->data, pages->len, LEVEL);
    if (ZSTD_isError(n))
        return error_new(E_INTERNAL, "zstd: %s", ZSTD_getErrorName(n));
    ret->len = n;
    return NULL;
}

struct error *snapshot_unpack(ZSTD_DCtx *z, const struct snapshot_message *m, char *ret)
{
    size_t want = m->n * SNAPSHOT_PAGE;
    size_t n = ZSTD_decompressDCtx(z, ret, want, m->packed, m->packed_len);
    if (ZSTD_isError(n) || n != want)
        return error_new(E_PROTOCOL, "the pages of a snapshot can't be unpacked");
    return NULL;
}
