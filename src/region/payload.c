/*
 * What one log entry of a region says. Version byte, kind, flags, then
 *   request (gateway u64, slot u32, seq u64, result length u32, result), if flagged,
 *   participants (count u32, region u64 each), if flagged,
 *   schema version u64 for DDL, deciding region u64 for PREPARE, and the body to the end.
 *
 * A transaction is one WRITE (commit) or, when it is large, PARTs before it; an ABORT voids them. A
 * body too large for an entry comes in FRAGMENTs, which belong in front of the body of the next
 * WRITE, PART or PREPARE. A PREPARE is the last part of a transaction over several regions; the
 * WRITE or ABORT that ends it follows when another region has decided. The WRITE there has the
 * participants.
 */
#include "region/region_int.h"

enum { PAYLOAD_VERSION = 1, FLAG_REQUEST = 1, FLAG_PARTICIPANTS = 2 };

void payload_encode(const struct payload *p, struct buf *out)
{
    size_t participants = p->n_participants * sizeof(uint64_t);
    buf_reserve(out, 64 + p->result_len + participants + p->body_len);
    buf_put8(out, PAYLOAD_VERSION);
    buf_put8(out, (uint8_t)p->kind);
    buf_put8(out, (uint8_t)((p->has_request ? FLAG_REQUEST : 0) |
                            (p->participants ? FLAG_PARTICIPANTS : 0)));
    if (p->has_request) {
        buf_put64(out, p->request.gateway);
        buf_put32(out, p->request.slot);
        buf_put64(out, p->request.seq);
        buf_put32(out, p->result_len);
        buf_append(out, p->result, p->result_len);
    }
    if (p->participants) {
        buf_put32(out, p->n_participants);
        buf_append(out, p->participants, participants);
    }
    if (p->kind == PAYLOAD_DDL)
        buf_put64(out, p->schema_version);
    if (p->kind == PAYLOAD_PREPARE)
        buf_put64(out, p->decider);
    buf_append(out, p->body, p->body_len);
}

struct error *payload_decode(const void *data, size_t len, struct payload *ret)
{
    struct reader r = reader_of(data, len);
    struct payload p = {0};
    uint8_t version = read8(&r), kind = read8(&r), flags = read8(&r);
    if (r.failed || kind < PAYLOAD_WRITE || kind > PAYLOAD_PREPARE)
        return error_new(E_DAMAGED, "a log entry is damaged");
    if (version != PAYLOAD_VERSION)
        return error_hint(error_new(E_UNSUPPORTED, "a log entry has format %u", version),
                          "It was written by a newer MiniSQL; run that version.");
    p.kind = (enum payload_kind)kind;
    p.has_request = (flags & FLAG_REQUEST) != 0;
    if (p.has_request) {
        p.request.gateway = read64(&r);
        p.request.slot = read32(&r);
        p.request.seq = read64(&r);
        p.result_len = read32(&r);
        p.result = read_bytes(&r, p.result_len);
    }
    if (flags & FLAG_PARTICIPANTS) {
        p.n_participants = read32(&r);
        p.participants = read_bytes(&r, p.n_participants * sizeof(uint64_t));
    }
    if (p.kind == PAYLOAD_DDL)
        p.schema_version = read64(&r);
    if (p.kind == PAYLOAD_PREPARE)
        p.decider = read64(&r);
    p.body_len = reader_left(&r);
    p.body = read_bytes(&r, p.body_len);
    if (!reader_ok(&r) || (p.kind == PAYLOAD_PREPARE && (!p.has_request || !p.decider)))
        return error_new(E_DAMAGED, "a log entry is damaged");
    *ret = p;
    return NULL;
}
