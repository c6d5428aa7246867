/*
 * Records: how they look on disk, and how a segment's bytes are told from garbage.
 *
 *   magic 4 | crc 4 | segment 4 | kind 4 | len 4 | chain 4 | region 8 | lsn 8 | epoch 8 | data |
 * zeros
 *
 * in network order, padded to 8 bytes. The checksum covers everything after itself. It includes the
 * number of the segment, so that what an earlier use of a recycled file left behind never passes.
 *
 * Everything here is a pure function over bytes that may be garbage.
 */
#include "wal_int.h"

#include <endian.h>

#define MAGIC (0x4d534c00u | WAL_FORMAT) /* "MSL", format */

struct on_disk {
    uint32_t magic, crc, segment, kind, len, chain;
    uint64_t region, lsn, epoch;
};
_Static_assert(sizeof(struct on_disk) == WAL_HEADER, "no padding");

enum { CRC_FROM = 8 }; /* the checksum covers the header from here on */

size_t wal__record_size(size_t len)
{
    return (WAL_HEADER + len + WAL_ALIGN - 1) / WAL_ALIGN * WAL_ALIGN;
}

void wal__encode(struct buf *out, struct wal_record *r)
{
    struct on_disk d = {
        .magic = htobe32(MAGIC),
        .segment = htobe32(r->segment),
        .kind = htobe32(r->kind),
        .len = htobe32(r->len),
        .chain = htobe32(r->chain),
        .region = htobe64(r->region),
        .lsn = htobe64(r->lsn),
        .epoch = htobe64(r->epoch),
    };
    r->crc = crc32c(0, (const char *)&d + CRC_FROM, sizeof(d) - CRC_FROM);
    r->crc = crc32c(r->crc, r->data, r->len);
    d.crc = htobe32(r->crc);
    size_t padding = wal__record_size(r->len) - WAL_HEADER - r->len;
    buf_reserve(out, wal__record_size(r->len));
    buf_append(out, &d, sizeof(d));
    buf_append(out, r->data, r->len);
    buf_append(out, "\0\0\0\0\0\0\0", padding);
}

static bool kind_is_known(uint32_t kind)
{
    return kind >= WAL_BATCH && kind <= WAL_SETTLED;
}

bool wal__decode(const char *data, size_t len, uint32_t segment, struct wal_record *ret)
{
    struct on_disk d;
    if (len < sizeof(d))
        return false;
    memcpy(&d, data, sizeof(d));
    if (be32toh(d.magic) != MAGIC || be32toh(d.segment) != segment ||
        !kind_is_known(be32toh(d.kind)))
        return false;
    uint32_t n = be32toh(d.len);
    if (n > WAL_MAX_ENTRY || wal__record_size(n) > len)
        return false;
    uint32_t crc = crc32c(0, data + CRC_FROM, sizeof(d) - CRC_FROM);
    if (crc32c(crc, data + WAL_HEADER, n) != be32toh(d.crc))
        return false;
    *ret = (struct wal_record){
        .kind = (enum wal_kind)be32toh(d.kind),
        .segment = segment,
        .chain = be32toh(d.chain),
        .crc = be32toh(d.crc),
        .len = n,
        .region = be64toh(d.region),
        .lsn = be64toh(d.lsn),
        .epoch = be64toh(d.epoch),
        .data = data + WAL_HEADER,
    };
    return true;
}

int wal__other_format(const char *data, size_t len)
{
    if (len < WAL_HEADER || memcmp(data, "\x4d\x53\x4c", 3) != 0)
        return 0;
    int format = (unsigned char)data[3];
    return format == WAL_FORMAT ? 0 : format;
}

/* The next intact record from `from` on, of `kind` or (0) of any; `len` when there is none. */
static size_t find_record(const char *image, size_t len, size_t from, uint32_t segment, int kind)
{
    struct wal_record r;
    for (size_t at = from; at + WAL_HEADER <= len; at += WAL_ALIGN)
        if (wal__decode(image + at, len - at, segment, &r) && (!kind || (int)r.kind == kind))
            return at;
    return len;
}

/* The last batch that starts after `from`: what lies before it was on disk. */
static size_t last_batch(const char *image, size_t len, size_t from, uint32_t segment)
{
    size_t last = 0;
    for (size_t at = from; (at = find_record(image, len, at, segment, WAL_BATCH)) < len;
         at += WAL_HEADER)
        last = at;
    return last;
}

struct error *wal__scan(const char *image, size_t len, uint32_t segment, bool proven,
                        const struct wal_scan *scan, size_t *ret_end, bool *ret_ended)
{
    size_t at = 0, on_disk_to = proven ? len : 0;
    bool judged = proven;
    *ret_ended = false;
    while (at < len) {
        struct wal_record r;
        if (wal__decode(image + at, len - at, segment, &r)) {
            TRY(scan->record(scan->ctx, &r, at));
            if (r.kind == WAL_END) {
                *ret_ended = true;
                break;
            }
            at += wal__record_size(r.len);
            continue;
        }
        if (!judged) {
            on_disk_to = last_batch(image, len, at, segment);
            judged = true;
        }
        if (at >= on_disk_to)
            break; /* the end, or a torn tail: never acknowledged */
        size_t next = find_record(image, len, at + WAL_ALIGN, segment, 0);
        scan->damage(scan->ctx, at, next);
        at = next;
    }
    *ret_end = at;
    return NULL;
}
