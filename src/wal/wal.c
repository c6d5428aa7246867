/*
 * The log: appending, group commit, reading back, releasing.
 *
 * Invariants
 *  1. Records go to disk in the order in which they were appended, one write at a time; a write
 * begins only when all earlier ones are on disk. So a crash loses a suffix, and a WAL_BATCH record
 * proves what is before it.
 *  2. `synced` never passes a byte that is not on disk. After a failed write nothing is trusted:
 * `broken` is set, and every later append, truncate and sync gives that error. (A failed sync can't
 * be repeated: the kernel may have dropped the pages.)
 *  3. A segment always has room left for a last batch record and its WAL_END.
 *  4. Positions count bytes appended since opening.
 *
 * Group commit. Records are encoded into `pending`. The thread that finds no write running takes
 * all of it and writes; threads that come meanwhile wait, and then one of them takes what gathered:
 *
 *     pending --take_pending()--> flushed, writing --write_batch()--> flushed, synced
 *
 * The bytes stay in `flushed` until the next write, so that what was just appended is read from
 * memory.
 */
#include "wal_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
    KEEP_BUFFER = 1024 * 1024, /* a larger one is given back after its write */
    END_ROOM = 2 * WAL_HEADER,
};

/* ---- batches ------------------------------------------------------------------------------ */

static struct wal_segment *current(struct wal *w)
{
    return w->active.items[w->active.len - 1];
}

static size_t chunk_end(const struct wal_chunk *c)
{
    return c->start + c->bytes.len;
}

/* A chunk starts at its page's start, with what that page holds already, and with a batch record.
 */
static void begin_chunk(struct wal *w)
{
    struct wal_batch *b = w->pending;
    if (b->len == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 2;
        b->chunks = mem_realloc(b->chunks, b->cap * sizeof(*b->chunks));
        memset(b->chunks + b->len, 0, (b->cap - b->len) * sizeof(*b->chunks));
    }
    struct wal_chunk *c = &b->chunks[b->len++];
    size_t carried = w->tail % WAL_PAGE;
    c->segment = current(w);
    c->start = w->tail - carried;
    buf_clear(&c->bytes);
    buf_append(&c->bytes, w->carry, carried);
    struct wal_record batch = {
        .kind = WAL_BATCH, .segment = c->segment->number, .lsn = c->segment->number};
    wal__encode(&c->bytes, &batch);
    w->tail = chunk_end(c);
}

static void clear_batch(struct wal_batch *b)
{
    for (size_t i = 0; i < b->len; i++) {
        struct buf *bytes = &b->chunks[i].bytes;
        if (bytes->cap > KEEP_BUFFER)
            buf_done(bytes);
        b->chunks[i].segment = NULL;
    }
    b->len = 0;
}

static void free_batch(struct wal_batch *b)
{
    for (size_t i = 0; i < b->cap; i++)
        buf_done(&b->chunks[i].bytes);
    mem_free(b->chunks);
}

/* ---- room --------------------------------------------------------------------------------- */

/* Whether a record fits behind `tail`; `fresh`: a batch record comes first. */
static bool fits(size_t segment_size, size_t tail, bool fresh, size_t record)
{
    return tail + (fresh ? WAL_HEADER : 0) + record + END_ROOM <= segment_size;
}

/* How many further segments these records need; the same walk as wal__put makes. */
static size_t segments_needed(struct wal *w, const struct wal_entry *entries, size_t n)
{
    size_t size = current(w)->size, tail = w->tail, needed = 0;
    bool fresh = w->pending->len == 0;
    for (size_t i = 0; i < n; i++) {
        size_t record = wal__record_size(entries[i].len);
        if (!fits(size, tail, fresh, record)) {
            size = w->segment_bytes;
            tail = 0;
            fresh = true;
            needed++;
        }
        tail += (fresh ? WAL_HEADER : 0) + record;
        fresh = false;
    }
    return needed;
}

struct error *wal__ensure_room(struct wal *w, const struct wal_entry *entries, size_t n)
{
    while (segments_needed(w, entries, n) > w->ready.len) {
        error_free(w->keeper_error);
        w->keeper_error = NULL;
        wal__want_segment(w);
        if (w->broken)
            return error_copy(w->broken);
        if (w->keeper_error)
            return error_copy(w->keeper_error);
    }
    return NULL;
}

static void next_segment(struct wal *w)
{
    if (w->pending->len == 0)
        begin_chunk(w);
    struct wal_chunk *c = &w->pending->chunks[w->pending->len - 1];
    struct wal_record end = {.kind = WAL_END, .segment = current(w)->number};
    wal__encode(&c->bytes, &end);
    wal__segments_push(&w->active, wal__segments_shift(&w->ready));
    w->tail = 0;
    begin_chunk(w);
    pthread_cond_signal(&w->keeper_wakes);
}

void wal__put(struct wal *w, struct wal_region *g, struct wal_record *r, struct wal_ref *ret)
{
    size_t size = wal__record_size(r->len);
    bool fresh = w->pending->len == 0;
    if (!fits(current(w)->size, w->tail, fresh, size))
        next_segment(w);
    else if (fresh)
        begin_chunk(w);
    r->segment = current(w)->number;
    r->chain = g->chain;
    *ret = (struct wal_ref){.segment = r->segment, .offset = (uint32_t)w->tail, .len = r->len};
    wal__encode(&w->pending->chunks[w->pending->len - 1].bytes, r);
    g->chain = r->crc;
    w->tail += size;
    w->appended += size;
}

/* ---- appending ---------------------------------------------------------------------------- */

static struct error *check_entries(struct wal *w, const struct wal_entry *entries, size_t n)
{
    size_t limit = MIN((size_t)WAL_MAX_ENTRY,
                       w->segment_bytes - WAL_HEADER - END_ROOM - WAL_HEADER - WAL_ALIGN);
    for (size_t i = 0; i < n; i++) {
        if (entries[i].len > limit)
            return error_new("54000", "log entry of %" PRIu32 " bytes exceeds the limit of %zu",
                             entries[i].len, limit);
        if (entries[i].region != entries[0].region || entries[i].lsn != entries[0].lsn + i ||
            entries[i].lsn == 0 || entries[i].lsn > INT64_MAX)
            return error_new(E_INTERNAL, "log entries of region %" PRIu64 " are out of order",
                             entries[0].region);
    }
    return NULL;
}

static struct error *append_locked(struct wal *w, const struct wal_entry *entries, size_t n)
{
    if (w->broken)
        return error_copy(w->broken);
    TRY(wal__ensure_room(w, entries, n));
    struct wal_region *g = wal__region(w, entries[0].region);
    uint64_t lsn = entries[0].lsn;
    if (g->last >= g->first && lsn > g->last + 1)
        return error_new(E_INTERNAL,
                         "log entry %" PRIu64 " of region %" PRIu64 " does not follow %" PRIu64
                         "..%" PRIu64,
                         lsn, g->id, g->first, g->last);
    wal__index_truncate(w, g, lsn - 1);
    for (size_t i = 0; i < n; i++) {
        struct wal_record r = {.kind = WAL_ENTRY,
                               .region = entries[i].region,
                               .lsn = entries[i].lsn,
                               .epoch = entries[i].epoch,
                               .data = entries[i].data,
                               .len = entries[i].len};
        struct wal_ref ref;
        wal__put(w, g, &r, &ref);
        wal__index_add(w, g, r.lsn, r.epoch, ref);
    }
    return NULL;
}

struct error *wal_append(struct wal *w, const struct wal_entry *entries, size_t n,
                         uint64_t *ret_position)
{
    TRY(check_entries(w, entries, n));
    pthread_mutex_lock(&w->lock);
    struct error *e = n ? append_locked(w, entries, n) : error_copy(w->broken);
    if (!e)
        *ret_position = w->appended;
    pthread_mutex_unlock(&w->lock);
    return e;
}

static struct error *truncate_locked(struct wal *w, uint64_t region, uint64_t lsn)
{
    if (w->broken)
        return error_copy(w->broken);
    struct wal_region *g = wal__find_region(w, region);
    if (!g)
        return NULL;
    if (g->last <= lsn || g->last < g->first) {
        wal__index_truncate(w, g, lsn); /* nothing to log */
        return NULL;
    }
    struct wal_entry room = {.region = region};
    TRY(wal__ensure_room(w, &room, 1));
    wal__index_truncate(w, g, lsn);
    struct wal_record r = {.kind = WAL_TRUNCATE, .region = region, .lsn = lsn};
    struct wal_ref ref;
    wal__put(w, g, &r, &ref);
    return NULL;
}

bool wal_is_damaged(const struct wal *w)
{
    return w->damage.len > 0;
}

static struct error *settle_locked(struct wal *w)
{
    struct wal_region none = {0}; /* the records are no region's */
    const struct wal_entry room = {0};
    for (; w->damage.len; w->damage.len -= sizeof(uint64_t)) {
        struct wal_record r = {.kind = WAL_SETTLED};
        struct wal_ref ref;
        memcpy(&r.lsn, w->damage.data + w->damage.len - sizeof(r.lsn), sizeof(r.lsn));
        TRY(wal__ensure_room(w, &room, 1));
        wal__put(w, &none, &r, &ref);
    }
    return NULL;
}

struct error *wal_settle(struct wal *w)
{
    if (!w->damage.len)
        return NULL;
    pthread_mutex_lock(&w->lock);
    struct error *e = settle_locked(w);
    uint64_t position = w->appended;
    pthread_mutex_unlock(&w->lock);
    return e ? e : wal_sync(w, position);
}

struct error *wal_truncate(struct wal *w, uint64_t region, uint64_t lsn, uint64_t *ret_position)
{
    pthread_mutex_lock(&w->lock);
    struct error *e = truncate_locked(w, region, lsn);
    if (!e)
        *ret_position = w->appended;
    pthread_mutex_unlock(&w->lock);
    return e;
}

/* ---- group commit ------------------------------------------------------------------------- */

static void pad_to_page(struct buf *bytes)
{
    static const char zeros[WAL_PAGE];
    buf_append(bytes, zeros, (WAL_PAGE - bytes->len % WAL_PAGE) % WAL_PAGE);
}

/* Makes `pending` the batch to write, and leaves its last page for the next one. */
static struct wal_batch *take_pending(struct wal *w)
{
    struct wal_batch *batch = w->pending;
    struct wal_chunk *last = &batch->chunks[batch->len - 1];
    size_t part = w->tail % WAL_PAGE;
    memcpy(w->carry, last->bytes.data + last->bytes.len - part, part);
    for (size_t i = 0; i < batch->len; i++)
        pad_to_page(&batch->chunks[i].bytes);
    clear_batch(w->flushed);
    w->pending = w->flushed;
    w->flushed = batch;
    return batch;
}

/* In order, each chunk synced before the next: the first record of a segment proves that the one
 * before it is whole. */
static struct error *write_batch(struct wal *w, struct wal_batch *batch)
{
    for (size_t i = 0; i < batch->len; i++) {
        const struct wal_chunk *c = &batch->chunks[i];
        TRY(wal__write(w, c->segment, c->bytes.data, c->bytes.len, c->start));
    }
    return NULL;
}

/* Called and returns with the lock held. */
static void flush(struct wal *w)
{
    uint64_t target = w->appended;
    struct wal_batch *batch = take_pending(w);
    w->writing = true;
    pthread_mutex_unlock(&w->lock);
    struct error *e = write_batch(w, batch);
    pthread_mutex_lock(&w->lock);
    w->writing = false;
    if (e) {
        w->broken = e;
        pthread_cond_broadcast(&w->spares_changed);
    } else {
        w->synced = target;
        wal__retire(w);
    }
    pthread_cond_broadcast(&w->synced_changed);
}

static struct error *sync_locked(struct wal *w, uint64_t position)
{
    position = MIN(position, w->appended);
    while (!w->broken && w->synced < position) {
        if (w->writing)
            pthread_cond_wait(&w->synced_changed, &w->lock);
        else
            flush(w);
    }
    return w->synced >= position && !w->broken ? NULL : error_copy(w->broken);
}

struct error *wal_sync(struct wal *w, uint64_t position)
{
    pthread_mutex_lock(&w->lock);
    struct error *e = sync_locked(w, position);
    pthread_mutex_unlock(&w->lock);
    return e;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* The record's bytes when they are in memory, else NULL. */
static const char *in_memory(struct wal *w, const struct wal_ref *ref)
{
    const struct wal_batch *both[] = {w->pending, w->flushed};
    for (size_t b = 0; b < 2; b++) {
        for (size_t i = 0; i < both[b]->len; i++) {
            const struct wal_chunk *c = &both[b]->chunks[i];
            if (c->segment && c->segment->number == ref->segment && ref->offset >= c->start &&
                ref->offset + wal__record_size(ref->len) <= chunk_end(c))
                return c->bytes.data + (ref->offset - c->start);
        }
    }
    return NULL;
}

/* What one call reads: taken under the lock, read from the files without it. */
struct wanted {
    struct wal_ref ref;
    struct wal_segment *segment; /* pinned; NULL: `bytes` has the record already */
    char *bytes;
};

static size_t choose(struct wal *w, uint64_t region, uint64_t from, size_t max_bytes,
                     struct arena *a, struct wanted *chosen, size_t max_n)
{
    const struct wal_region *g = wal__find_region(w, region);
    const struct wal_ref *ref;
    size_t n = 0, bytes = 0;
    for (; n < max_n && (ref = wal__index_ref(g, from + n)); n++) {
        bytes += ref->len;
        if (n && bytes > max_bytes)
            break;
        size_t size = wal__record_size(ref->len);
        chosen[n] = (struct wanted){.ref = *ref, .bytes = arena_alloc(a, size)};
        const char *memory = in_memory(w, ref);
        if (memory) {
            memcpy(chosen[n].bytes, memory, size);
        } else {
            chosen[n].segment = wal__find_segment(w, ref->segment);
            chosen[n].segment->pins++;
        }
    }
    return n;
}

static struct error *read_one(struct wal *w, const struct wanted *t, uint64_t region, uint64_t lsn,
                              struct wal_entry *ret)
{
    size_t size = wal__record_size(t->ref.len);
    if (t->segment)
        TRY(wal__read(w, t->segment, t->bytes, size, t->ref.offset));
    struct wal_record r;
    if (!wal__decode(t->bytes, size, t->ref.segment, &r) || r.kind != WAL_ENTRY ||
        r.region != region || r.lsn != lsn || r.len != t->ref.len) {
        _cleanup_(mem_freep) char *path = wal__segment_path(w, t->ref.segment);
        return error_hint(error_new(E_DAMAGED, "log file \"%s\" is damaged at byte %" PRIu32, path,
                                    t->ref.offset),
                          "The replica of region %" PRIu64
                          " on this server has to be rebuilt from another copy.",
                          region);
    }
    *ret = (struct wal_entry){
        .region = region, .lsn = lsn, .epoch = r.epoch, .data = r.data, .len = r.len};
    return NULL;
}

struct error *wal_read(struct wal *w, uint64_t region, uint64_t from, size_t max_bytes,
                       struct arena *a, struct wal_entry *ret, size_t max_n, size_t *ret_n)
{
    struct wanted *chosen = mem_alloc(sizeof(*chosen) * (max_n ? max_n : 1));
    pthread_mutex_lock(&w->lock);
    size_t n = choose(w, region, from, max_bytes, a, chosen, max_n);
    pthread_mutex_unlock(&w->lock);

    struct error *e = NULL;
    bool pinned = false;
    for (size_t i = 0; i < n; i++) {
        pinned |= chosen[i].segment != NULL;
        if (!e)
            e = read_one(w, &chosen[i], region, from + i, &ret[i]);
    }
    if (pinned) {
        pthread_mutex_lock(&w->lock);
        for (size_t i = 0; i < n; i++)
            if (chosen[i].segment)
                chosen[i].segment->pins--;
        wal__retire(w);
        pthread_mutex_unlock(&w->lock);
    }
    mem_free(chosen);
    if (!e)
        *ret_n = n;
    return e;
}

void wal_range(struct wal *w, uint64_t region, uint64_t *ret_first, uint64_t *ret_last,
               uint64_t *ret_last_epoch)
{
    pthread_mutex_lock(&w->lock);
    const struct wal_region *g = wal__find_region(w, region);
    *ret_first = g ? g->first : 1;
    *ret_last = g ? g->last : 0;
    *ret_last_epoch = g ? g->last_epoch : 0;
    pthread_mutex_unlock(&w->lock);
}

uint64_t wal_epoch(struct wal *w, uint64_t region, uint64_t lsn)
{
    pthread_mutex_lock(&w->lock);
    const struct wal_region *g = wal__find_region(w, region);
    uint64_t epoch = g ? wal__index_epoch(g, lsn) : 0;
    pthread_mutex_unlock(&w->lock);
    return epoch;
}

/* ---- releasing ---------------------------------------------------------------------------- */

void wal_release(struct wal *w, uint64_t region, uint64_t lsn)
{
    pthread_mutex_lock(&w->lock);
    struct wal_region *g = wal__find_region(w, region);
    if (g) {
        wal__index_release(w, g, lsn);
        wal__retire(w);
    }
    pthread_mutex_unlock(&w->lock);
}

static bool holds_back(const struct wal_region *g, uint32_t segment)
{
    const struct wal_ref *ref = wal__index_ref(g, MAX(g->first, g->released + 1));
    return ref && ref->segment <= segment;
}

size_t wal_pressure(struct wal *w, uint64_t *regions, size_t max, uint64_t *ret_bytes)
{
    size_t n = 0;
    void *g;
    *ret_bytes = 0;
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i + 1 < w->active.len; i++)
        *ret_bytes += w->active.items[i]->size;
    *ret_bytes += w->tail;
    uint32_t oldest = w->active.items[0]->number;
    for (size_t i = 0; n < max && map_next(&w->regions, &i, &g);)
        if (holds_back(g, oldest))
            regions[n++] = ((struct wal_region *)g)->id;
    pthread_mutex_unlock(&w->lock);
    return n;
}

/* ---- opening and closing ------------------------------------------------------------------ */

static void free_segments(struct wal *w, struct wal_segments *s)
{
    for (size_t i = 0; i < s->len; i++)
        wal__segment_free(w, s->items[i]);
    mem_free(s->items);
}

static void free_log(struct wal *w)
{
    void *g;
    wal__keeper_stop(w);
    for (size_t i = 0; map_next(&w->regions, &i, &g);)
        wal__region_free(g);
    map_done(&w->regions);
    free_segments(w, &w->active);
    free_segments(w, &w->ready);
    free_segments(w, &w->retired);
    free_batch(&w->batches[0]);
    free_batch(&w->batches[1]);
    error_free(w->broken);
    error_free(w->keeper_error);
    if (w->directory_fd >= 0)
        w->io->close(w->directory_fd);
    if (w->lock_fd >= 0)
        w->io->close(w->lock_fd);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->synced_changed);
    pthread_cond_destroy(&w->spares_changed);
    pthread_cond_destroy(&w->keeper_wakes);
    buf_done(&w->damage);
    mem_free(w->directory);
    mem_free(w);
}

static struct wal *new_log(const char *dir, const struct wal_options *options)
{
    enum { DEFAULT_SEGMENT = 16 * 1024 * 1024, SMALLEST_SEGMENT = 4 * WAL_PAGE };
    struct wal *w = NEW(struct wal);
    uint64_t size = options && options->segment_bytes ? options->segment_bytes : DEFAULT_SEGMENT;
    size = MIN(MAX(size, (uint64_t)SMALLEST_SEGMENT), (uint64_t)INT32_MAX);
    w->directory = mem_strdup(dir);
    w->directory_fd = w->lock_fd = -1;
    w->segment_bytes = (size_t)(size / WAL_PAGE * WAL_PAGE);
    w->spares = options && options->spare_segments ? options->spare_segments : 2;
    w->io = options && options->io ? options->io : &wal__io;
    w->no_thread = options && options->no_thread;
    w->pending = &w->batches[0];
    w->flushed = &w->batches[1];
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->synced_changed, NULL);
    pthread_cond_init(&w->spares_changed, NULL);
    pthread_cond_init(&w->keeper_wakes, NULL);
    return w;
}

static struct error *open_log(struct wal *w, uint64_t **ret_damaged, size_t *ret_n_damaged)
{
    TRY(wal__lock_directory(w));
    return wal__recover(w, ret_damaged, ret_n_damaged);
}

static void report_regions(const struct wal *w, wal_found_fn *found, void *ctx)
{
    void *item;
    for (size_t i = 0; found && map_next(&w->regions, &i, &item);) {
        const struct wal_region *g = item;
        if (g->last >= g->first)
            found(ctx, g->id, g->first, g->last, g->last_epoch);
    }
}

struct error *wal_open(const char *dir, const struct wal_options *options, wal_found_fn *found,
                       void *ctx, struct wal **ret, uint64_t **ret_damaged, size_t *ret_n_damaged)
{
    struct wal *w = new_log(dir, options);
    struct error *e = open_log(w, ret_damaged, ret_n_damaged);
    if (e) {
        free_log(w);
        return e;
    }
    report_regions(w, found, ctx);
    *ret = w;
    return NULL;
}

struct error *wal_inspect(const char *dir, wal_found_fn *found, void *ctx,
                          struct error **ret_damage)
{
    struct wal *w = new_log(dir, NULL);
    struct error *e = wal__look(w, ret_damage);
    if (!e)
        report_regions(w, found, ctx);
    free_log(w);
    return e;
}

void wal_close(struct wal *w)
{
    if (!w)
        return;
    struct error *e = wal_sync(w, UINT64_MAX);
    error_free(e); /* whoever needed it synced has been told */
    free_log(w);
}
