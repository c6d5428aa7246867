/* The sending side of a snapshot (snapshot.c). It runs in the session that asked for it. */
#include "region/snapshot.h"

enum {
    SENDING_MAX = 4,               /* at a time; others are asked to come again */
    SCAN_PER_BYTE = 8,             /* reading and hashing counts for an eighth of sending */
    BURST_US = 50 * 1000,          /* what was left unused of the rate counts for so long */
    TELL_US = 250 * 1000,          /* between reports of progress */
    SLEEP_MS = 200,                /* at most, between looks at whether to stop */
    LITTLE_PAGES = 8 * 1024,       /* what is left to the last pass */
    SCANS_MAX = 4,                 /* passes before it */
    SMALL_BYTES = 4 * 1024 * 1024, /* a file for which the last one is enough */
};

struct sending {
    struct regions *rs;
    const struct region_snapshot_wire *wire;
    struct hasher hasher;
    ZSTD_CCtx *zstd;
    struct page_list theirs; /* what the receiver has, by what it said and what was sent since */
    struct buf pages, packed, message;
    uint32_t n; /* in `pages` */
    bool last_pass;
    uint64_t done, total; /* of the pass */
    uint64_t sent;        /* pages, in the pass */
    uint64_t unpaid;      /* bytes read since the last pause */
    uint64_t told_us;
};

/* ---- the rate ---------------------------------------------------------------------------------
 */

/* Waits until the server's rate allows so many bytes more. */
static struct error *pace(struct regions *rs, uint64_t bytes)
{
    if (!rs->snapshot_rate)
        return NULL;
    uint64_t now = clock_us();
    pthread_mutex_lock(&rs->pace_mutex);
    uint64_t from = MAX(rs->paced_until_us, now - BURST_US);
    uint64_t until = rs->paced_until_us = from + bytes * 1000000 / rs->snapshot_rate;
    pthread_mutex_unlock(&rs->pace_mutex);
    for (; now + 1000 < until; now = clock_us()) {
        if (atomic_load(&rs->stopping))
            return error_new(E_SHUTDOWN, "the server is stopping");
        sleep_ms((unsigned)MIN((until - now) / 1000, (uint64_t)SLEEP_MS));
    }
    return NULL;
}

/* ---- what is sent -----------------------------------------------------------------------------
 */

static struct error *send_message(struct sending *s, const struct snapshot_message *m)
{
    snapshot_put(&s->message, m);
    return s->wire->emit(s->wire->ctx, s->message.data, s->message.len);
}

/* It also shows the receiver, which would give up else, that somebody is there. */
static struct error *tell(struct sending *s)
{
    s->told_us = clock_us();
    return send_message(s, &(struct snapshot_message){.kind = SNAPSHOT_PROGRESS,
                                                      .last_pass = s->last_pass,
                                                      .done = MIN(s->done, s->total),
                                                      .pages = s->total});
}

static struct error *send_pages(struct sending *s)
{
    if (!s->n)
        return NULL;
    TRY(snapshot_pack(s->zstd, &s->pages, &s->packed));
    TRY(send_message(s, &(struct snapshot_message){.kind = SNAPSHOT_PAGES,
                                                   .n = s->n,
                                                   .packed = s->packed.data,
                                                   .packed_len = s->packed.len}));
    uint64_t bytes = s->packed.len;
    s->n = 0;
    buf_clear(&s->pages);
    return pace(s->rs, bytes);
}

static struct error *pay_for_reading(struct sending *s)
{
    uint64_t bytes = s->unpaid;
    s->unpaid = 0;
    if (clock_us() - s->told_us >= TELL_US)
        TRY(tell(s));
    return pace(s->rs, bytes / SCAN_PER_BYTE);
}

static struct error *on_page(void *ctx, uint64_t number, const void *page)
{
    struct sending *s = ctx;
    s->done++;
    s->unpaid += STORE_PAGE;
    if (s->unpaid >= SNAPSHOT_AT_ONCE * STORE_PAGE)
        TRY(pay_for_reading(s));
    struct page_hash h = page_hash(&s->hasher, page);
    if (page_list_has(&s->theirs, number, h))
        return NULL;
    if (number >= s->total) { /* it has grown; the receiver has to know before */
        s->total = number + 1 + number / 64;
        TRY(tell(s));
    }
    page_list_set(&s->theirs, number, h);
    buf_put64(&s->pages, number);
    buf_append(&s->pages, page, STORE_PAGE);
    s->sent++;
    return ++s->n == SNAPSHOT_AT_ONCE ? send_pages(s) : NULL;
}

/* ---- passes -----------------------------------------------------------------------------------
 */

static void begin_pass(struct sending *s, bool last)
{
    s->last_pass = last;
    s->done = s->sent = 0;
}

/* Scans for as long as much has changed since the last time, and less than before. */
static struct error *scan(struct sending *s, struct store *store)
{
    uint64_t before = UINT64_MAX;
    for (int i = 0; i < SCANS_MAX && before > LITTLE_PAGES; i++) {
        begin_pass(s, false);
        TRY(tell(s));
        TRY(store_scan(store, on_page, s));
        TRY(send_pages(s));
        if (s->sent >= before)
            break;
        before = s->sent;
    }
    return NULL;
}

static struct error *finish(struct sending *s, struct store *store)
{
    struct store_meta meta;
    struct snapshot_message end = {.kind = SNAPSHOT_END};
    begin_pass(s, true);
    TRY(tell(s));
    TRY(store_snapshot(store, on_page, s, &meta, &end.pages));
    TRY(send_pages(s));
    page_list_resize(&s->theirs, end.pages);
    page_list_digest(&s->theirs, &s->hasher, end.digest);
    return send_message(s, &end);
}

/* Takes the receiver's list, as far as it can be of use. */
static struct error *receive_list(struct sending *s)
{
    uint64_t max = s->total * 2 + LITTLE_PAGES;
    for (;;) {
        const char *data;
        size_t len;
        bool end = false;
        struct snapshot_message m;
        TRY(s->wire->receive(s->wire->ctx, &data, &len, &end));
        if (end)
            return NULL;
        TRY(snapshot_get(data, len, &m));
        if (m.kind != SNAPSHOT_HAVE)
            return error_new(E_PROTOCOL, "a message of a snapshot is out of place");
        uint64_t at = s->theirs.n, n = MIN(m.n, max - at);
        if (!n)
            continue;
        page_list_resize(&s->theirs, at + n);
        memcpy(s->theirs.pages + at, m.hashes, n * sizeof(struct page_hash));
    }
}

static struct error *send_all(struct sending *s, struct store *store)
{
    uint64_t bytes = store_file_bytes(store);
    s->total = bytes / STORE_PAGE;
    TRY(receive_list(s));
    if (bytes > SMALL_BYTES)
        TRY(scan(s, store));
    return finish(s, store);
}

static struct error *send_snapshot(struct region_replica *p,
                                   const struct region_snapshot_wire *wire)
{
    struct sending s = {.rs = p->rs, .wire = wire, .zstd = ZSTD_createCCtx()};
    if (!s.zstd)
        return error_new(E_OUT_OF_MEMORY, "out of memory");
    hasher_init(&s.hasher);
    struct error *e = send_all(&s, p->store);
    hasher_done(&s.hasher);
    ZSTD_freeCCtx(s.zstd);
    page_list_done(&s.theirs);
    buf_done(&s.pages);
    buf_done(&s.packed);
    buf_done(&s.message);
    return e;
}

struct error *region_send_snapshot(struct regions *rs, uint64_t region,
                                   const struct region_snapshot_wire *wire)
{
    struct region_replica *p = NULL;
    struct error *e = NULL;
    TRY(region__find(rs, region, &p));
    if (atomic_fetch_add(&rs->sending, 1) >= SENDING_MAX) {
        e = error_new("55006", "this server sends %d snapshots already", SENDING_MAX);
    } else if (!region__enter_store(p)) {
        e = region__not_primary(p);
    } else {
        region__touch(p);
        e = atomic_load(&p->ready) ? send_snapshot(p, wire) : region__not_primary(p);
        region__leave_store(p);
    }
    atomic_fetch_sub(&rs->sending, 1);
    region__put(p);
    return e;
}
