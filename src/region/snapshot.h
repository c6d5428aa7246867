/* region, inside: what the two sides of a snapshot share (snapshot.c). */
#pragma once

#include "region/region_int.h"

#include <openssl/evp.h>
#include <zstd.h>

enum {
    SNAPSHOT_VERSION = 1,
    SNAPSHOT_AT_ONCE = 64, /* pages in a message */
    SNAPSHOT_PAGE = 8 + STORE_PAGE,
    SNAPSHOT_HASHES = 4096, /* in a message, as we send it */
};
#define SNAPSHOT_MAX_PAGES 4294967294ull /* SQLite's own limit */

struct hasher {
    EVP_MD_CTX *ctx;
    EVP_MD *md;
};
void hasher_init(struct hasher *h);
void hasher_done(struct hasher *h);

struct page_hash {
    uint8_t bytes[16];
};
struct page_hash page_hash(struct hasher *h, const void *page);

/* What the receiver has of each page; zeros: nothing. {0} is empty. */
struct page_list {
    struct page_hash *pages;
    uint64_t n, cap;
};
void page_list_resize(struct page_list *l, uint64_t n);
void page_list_set(struct page_list *l, uint64_t number, struct page_hash h);
bool page_list_has(const struct page_list *l, uint64_t number, struct page_hash h);
void page_list_digest(const struct page_list *l, struct hasher *h, uint8_t ret[32]);
void page_list_done(struct page_list *l);

enum snapshot_kind {
    SNAPSHOT_HAVE = 'H',
    SNAPSHOT_PROGRESS = 'p',
    SNAPSHOT_PAGES = 'P',
    SNAPSHOT_END = 'E',
};

/* Pointers are borrowed from the message. */
struct snapshot_message {
    enum snapshot_kind kind;
    uint32_t n;         /* hashes or pages in it */
    const void *hashes; /* HAVE */
    const char *packed; /* PAGES */
    size_t packed_len;
    bool last_pass;       /* PROGRESS */
    uint64_t done, pages; /* PROGRESS: pages in all, as far as known; END: pages in all */
    uint8_t digest[32];   /* END */
};
void snapshot_put(struct buf *out, const struct snapshot_message *m);
/* The bytes may be garbage: 08P01; 0A000 for another version. */
struct error *snapshot_get(const void *data, size_t len, struct snapshot_message *ret);
/* m->n pages of SNAPSHOT_PAGE bytes (a number in network order, the page), never more than that. */
struct error *snapshot_unpack(ZSTD_DCtx *z, const struct snapshot_message *m, char *ret);
struct error *snapshot_pack(ZSTD_CCtx *z, const struct buf *pages, struct buf *ret);
