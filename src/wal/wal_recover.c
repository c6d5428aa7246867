/*
 * Opening: every segment is read once, oldest first, and its records are replayed into the index.
 *
 *  - Bytes that are no intact record, with nothing after them that proves otherwise, are the tail
 * that a crash tore: cut off, which means overwritten with zeros to the segment's end, so that no
 * remains of an unacknowledged batch can come back behind what is appended next.
 *  - With proof (a batch record behind them, or a later segment) they are damage: they were on disk
 * once. The regions that lose something are found by the chain: each record holds the checksum of
 * its region's record before. A region whose next record behind the damage links to its last one
 * before it has lost nothing. All others that the log knows of are damaged: their entries are
 * dropped and a truncate record is logged. The bytes stay bad until their segment is recycled, and
 * what the chains say of them changes meanwhile, as the segments before go first: so when the
 * caller has dealt with the damage (wal_settle), a record says that it need not be judged again.
 *  - Segments behind the last one that holds a record are spares.
 */
#include "wal_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

struct recovery {
    struct wal *w;
    struct wal_segment *segment; /* being read */
    struct buf damage;           /* uint64_t hashes of what was met and is not settled */
    struct buf where;            /* all of it, for the message */
};

/* ---- the directory ------------------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* "0000000012.log" -> 12; 0 for other names */
static uint32_t segment_number(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    if (digits != 10 || strcmp(name + digits, ".log") != 0)
        return 0;
    unsigned long long n = strtoull(name, NULL, 10);
    return n < UINT32_MAX ? (uint32_t)n : 0;
}

static void found_file(void *ctx, const char *name)
{
    uint32_t number = segment_number(name);
    if (number)
        buf_append(ctx, &number, sizeof(number));
}

static struct error *list_segments(struct wal *w, uint32_t **ret, size_t *ret_n)
{
    struct buf found = {0};
    if (w->io->list(w->directory, found_file, &found) != 0) {
        buf_done(&found);
        return error_errno(E_IO, errno, "could not read log directory \"%s\"", w->directory);
    }
    *ret_n = found.len / sizeof(uint32_t);
    *ret = (uint32_t *)(void *)found.data;
    if (*ret_n)
        qsort(*ret, *ret_n, sizeof(uint32_t), by_number);
    return NULL;
}

static struct error *load(struct wal *w, const struct wal_segment *s, struct buf *image)
{
    buf_clear(image);
    buf_reserve(image, s->size);
    TRY(wal__read(w, s, image->data, s->size, 0));
    image->len = s->size;
    return NULL;
}

/* ---- replay ------------------------------------------------------------------------------- */

static void suspect_all(struct recovery *r, uint32_t segment, size_t from, size_t to)
{
    const uint64_t what[] = {segment, from, to}, hash = hash_bytes(what, sizeof(what));
    buf_append(&r->damage, &hash, sizeof(hash));
    void *g;
    for (size_t i = 0; map_next(&r->w->regions, &i, &g);)
        ((struct wal_region *)g)->suspect = true;
}

static void on_damage(void *ctx, size_t from, size_t to)
{
    struct recovery *r = ctx;
    suspect_all(r, r->segment->number, from, to);
    _cleanup_(mem_freep) char *path = wal__segment_path(r->w, r->segment->number);
    buf_printf(&r->where, "%slog file \"%s\" is damaged at bytes %zu to %zu",
               r->where.len ? "; " : "", path, from, to);
}

/* Whether the record continues what was read of its region. */
static void check_chain(const struct recovery *r, struct wal_region *g,
                        const struct wal_record *record, bool seen)
{
    if (record->kind == WAL_TRUNCATE && record->lsn == 0)
        g->suspect = g->damaged = false; /* whatever was lost, it is void */
    else if (seen && record->chain == g->chain)
        g->suspect = false;
    else if (seen || (r->damage.len && record->chain != 0))
        g->damaged = true;
}

/* One area less; when none is left, what it made of the regions is void. */
static void settled(struct recovery *r, uint64_t hash)
{
    void *g;
    bool found = false;
    uint64_t *met = (uint64_t *)(void *)r->damage.data;
    size_t n = r->damage.len / sizeof(*met);
    for (size_t i = 0; i < n && !found; i++)
        if (met[i] == hash) {
            met[i] = met[n - 1];
            r->damage.len -= sizeof(*met);
            found = true;
        }
    if (!found || r->damage.len)
        return;
    for (size_t i = 0; map_next(&r->w->regions, &i, &g);)
        ((struct wal_region *)g)->suspect = ((struct wal_region *)g)->damaged = false;
    buf_clear(&r->where);
}

static struct error *on_record(void *ctx, const struct wal_record *record, size_t offset)
{
    struct recovery *r = ctx;
    if (record->kind == WAL_SETTLED)
        settled(r, record->lsn);
    if (record->kind != WAL_ENTRY && record->kind != WAL_TRUNCATE)
        return NULL;
    bool seen = wal__find_region(r->w, record->region) != NULL;
    struct wal_region *g = wal__region(r->w, record->region);
    check_chain(r, g, record, seen);
    g->chain = record->crc;
    if (record->kind == WAL_TRUNCATE) {
        wal__index_truncate(r->w, g, MIN(record->lsn, (uint64_t)INT64_MAX));
        return NULL;
    }
    if (record->lsn == 0 || record->lsn > INT64_MAX) {
        g->damaged = true;
        return NULL;
    }
    struct wal_ref ref = {
        .segment = record->segment, .offset = (uint32_t)offset, .len = record->len};
    /* a jump ahead: all that came before had been recycled, though its file outlived the crash */
    wal__index_truncate(r->w, g, record->lsn <= g->last + 1 ? record->lsn - 1 : 0);
    wal__index_add(r->w, g, record->lsn, record->epoch, ref);
    return NULL;
}

/* ---- which segments are in use ------------------------------------------------------------ */

static struct error *any_record(void *ctx, const struct wal_record *record, size_t offset)
{
    *(bool *)ctx = true;
    return NULL;
}

static void no_damage(void *ctx, size_t from, size_t to)
{
}

/* A segment is used when it holds any record at all: damage to its first page must not hide the
 * rest. `proven` makes the scan look past bad bytes. */
static bool is_used(const struct buf *image, uint32_t number)
{
    bool used = false, ended;
    size_t end;
    struct wal_scan scan = {.ctx = &used, .record = any_record, .damage = no_damage};
    struct error *e = wal__scan(image->data, image->len, number, true, &scan, &end, &ended);
    error_free(e);
    return used;
}

static struct error *check_format(struct wal *w, const struct wal_segment *s,
                                  const struct buf *image)
{
    int format = wal__other_format(image->data, image->len);
    if (!format)
        return NULL;
    _cleanup_(mem_freep) char *path = wal__segment_path(w, s->number);
    return error_hint(error_new(E_UNSUPPORTED,
                                "log file \"%s\" has format %d, this minisqld reads %d", path,
                                format, WAL_FORMAT),
                      "Start the version of minisqld that wrote this data directory.");
}

/* From the newest backwards: how many of the segments are in use. */
static struct error *count_used(struct wal *w, struct wal_segments *all, struct buf *image,
                                size_t *ret)
{
    size_t n = all->len;
    for (; n; n--) {
        struct wal_segment *s = all->items[n - 1];
        TRY(load(w, s, image));
        if (is_used(image, s->number)) /* else a bit that turned looks like another format */
            break;
        TRY(check_format(w, s, image));
    }
    *ret = n;
    return NULL;
}

/* ---- the tail ----------------------------------------------------------------------------- */

/* Overwrites what is not zero from `from` on. */
static struct error *cut_tail(struct wal *w, const struct wal_segment *s, struct buf *image,
                              size_t from)
{
    size_t page = from / WAL_PAGE * WAL_PAGE, last = image->len;
    while (last > from && image->data[last - 1] == 0)
        last--;
    if (last == from)
        return NULL;
    memset(image->data + from, 0, last - from);
    size_t end = MIN((last + WAL_PAGE - 1) / WAL_PAGE * WAL_PAGE, image->len);
    return wal__write(w, s, image->data + page, end - page, page);
}

/* Files are made whole: one that ends here was cut by somebody else. */
static bool was_cut(const struct wal_segment *s, size_t end)
{
    return s->size % WAL_PAGE != 0 || end + 2 * WAL_HEADER > s->size;
}

static struct error *make_whole(struct wal *w, struct wal_segment *s, struct buf *image)
{
    size_t size = MAX(w->segment_bytes, (image->len / WAL_PAGE + 2) * WAL_PAGE), old = image->len;
    buf_reserve(image, size - old);
    memset(image->data + old, 0, size - old);
    image->len = s->size = size;
    size_t page = old / WAL_PAGE * WAL_PAGE;
    return wal__write(w, s, image->data + page, size - page, page);
}

static struct error *set_tail(struct wal *w, struct buf *image, size_t end)
{
    struct wal_segment *s = w->active.items[w->active.len - 1];
    if (was_cut(s, end))
        TRY(make_whole(w, s, image));
    TRY(cut_tail(w, s, image, end));
    w->tail = end;
    memcpy(w->carry, image->data + end - end % WAL_PAGE, end % WAL_PAGE);
    return NULL;
}

/* ---- damage ------------------------------------------------------------------------------- */

/* The regions that lost something, or may have; the caller frees. */
static uint64_t *list_damaged(struct wal *w, size_t *ret_n)
{
    uint64_t *list = mem_alloc(sizeof(*list) * (w->regions.len + 1));
    void *item;
    *ret_n = 0;
    for (size_t i = 0; map_next(&w->regions, &i, &item);) {
        const struct wal_region *g = item;
        if (g->damaged || g->suspect)
            list[(*ret_n)++] = g->id;
    }
    return list;
}

static struct error *damage_error(const struct recovery *r, const uint64_t *regions, size_t n)
{
    struct buf names = {0};
    for (size_t i = 0; i < n; i++)
        buf_printf(&names, "%s%" PRIu64, i ? ", " : "", regions[i]);
    struct error *e =
        error_new(E_DAMAGED, "%s", r->where.len ? r->where.data : "the log lost records");
    if (n)
        error_detail(e, "Regions that lose entries: %s.", names.data);
    error_hint(e, "The replicas of these regions on this server have to be rebuilt from another "
                  "copy.");
    buf_done(&names);
    return e;
}

/* Logs that their entries are void. */
static struct error *forget_damaged(struct wal *w, const uint64_t *regions, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct wal_region *g = wal__region(w, regions[i]);
        wal__index_truncate(w, g, 0);
        struct wal_entry room = {.region = g->id};
        TRY(wal__ensure_room(w, &room, 1));
        struct wal_record record = {.kind = WAL_TRUNCATE, .region = g->id};
        struct wal_ref ref;
        wal__put(w, g, &record, &ref);
        g->damaged = g->suspect = false;
    }
    return NULL;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static void check_gap(struct recovery *r, const struct wal_segment *before)
{
    if (!before || before->number + 1 == r->segment->number)
        return;
    suspect_all(r, before->number + 1, 0, 0);
    _cleanup_(mem_freep) char *path = wal__segment_path(r->w, before->number + 1);
    buf_printf(&r->where, "%slog file \"%s\" is missing", r->where.len ? "; " : "", path);
}

/* Replays the segments in use; `image` holds the last one's bytes afterwards. */
static struct error *replay(struct recovery *r, struct buf *image, size_t *ret_end, bool *ret_ended)
{
    struct wal *w = r->w;
    struct wal_scan scan = {.ctx = r, .record = on_record, .damage = on_damage};
    for (size_t i = 0; i < w->active.len; i++) {
        bool last = i + 1 == w->active.len;
        r->segment = w->active.items[i];
        check_gap(r, i ? w->active.items[i - 1] : NULL);
        TRY(load(w, r->segment, image));
        TRY(wal__scan(image->data, image->len, r->segment->number, !last, &scan, ret_end,
                      ret_ended));
        if (last && !*ret_ended && was_cut(r->segment, *ret_end))
            on_damage(r, *ret_end, image->len);
    }
    return NULL;
}

/* Spares must be whole and follow without a gap; others go. */
static struct error *adopt_spare(struct wal *w, struct wal_segment *s)
{
    if (s->number == w->next_number && s->size == w->segment_bytes) {
        wal__segments_push(&w->ready, s);
        w->next_number++;
        return NULL;
    }
    uint32_t number = s->number;
    wal__segment_free(w, s);
    return wal__segment_remove(w, number);
}

static struct error *adopt(struct wal *w, struct wal_segments *all, size_t used)
{
    struct error *e = NULL;
    for (size_t i = 0; i < all->len; i++) {
        struct wal_segment *s = all->items[i];
        all->items[i] = NULL;
        if (i < used) {
            wal__segments_push(&w->active, s);
            w->next_number = s->number + 1;
        } else if (!e) {
            if (i == 0)
                w->next_number = s->number;
            e = adopt_spare(w, s);
        } else {
            wal__segment_free(w, s);
        }
    }
    return e;
}

/* The segment to go on in, when the last one in use was ended or none is. */
static struct error *begin_segment(struct wal *w, struct buf *image, size_t *ret_end)
{
    if (!w->ready.len) {
        struct wal_segment *s;
        TRY(wal__segment_make(w, w->next_number, &s));
        w->next_number++;
        wal__segments_push(&w->ready, s);
    }
    wal__segments_push(&w->active, wal__segments_shift(&w->ready));
    *ret_end = 0;
    return load(w, w->active.items[w->active.len - 1], image);
}

static struct error *open_all(struct wal *w, const uint32_t *numbers, size_t n,
                              struct wal_segments *all)
{
    for (size_t i = 0; i < n; i++) {
        struct wal_segment *s;
        TRY(wal__segment_open(w, numbers[i], &s));
        wal__segments_push(all, s);
    }
    return NULL;
}

static struct error *find_segments(struct wal *w, struct buf *image)
{
    uint32_t *numbers = NULL;
    size_t n = 0, used = 0;
    struct wal_segments all = {0};
    w->next_number = 1;
    TRY(list_segments(w, &numbers, &n));
    /* a file may bear a name whose sync failed, or was not come to, before the process ended */
    struct error *e = wal__sync_directory(w);
    if (!e)
        e = open_all(w, numbers, n, &all);
    if (!e)
        e = count_used(w, &all, image, &used);
    if (!e)
        e = adopt(w, &all, used);
    for (size_t i = 0; i < all.len; i++)
        wal__segment_free(w, all.items[i]);
    mem_free(all.items);
    mem_free(numbers);
    return e;
}

static struct error *judge(struct recovery *r, uint64_t **ret_damaged, size_t *ret_n_damaged)
{
    size_t n;
    uint64_t *list = list_damaged(r->w, &n);
    struct error *e = NULL;
    if (ret_damaged) {
        pthread_mutex_lock(&r->w->lock);
        e = forget_damaged(r->w, list, n);
        pthread_mutex_unlock(&r->w->lock);
    } else if (r->damage.len || n) {
        e = damage_error(r, list, n);
    }
    if (!e && ret_damaged) {
        *ret_damaged = list;
        *ret_n_damaged = n;
    } else {
        mem_free(list);
    }
    return e;
}

static struct error *recover(struct recovery *r, struct buf *image, uint64_t **ret_damaged,
                             size_t *ret_n_damaged)
{
    struct wal *w = r->w;
    size_t end = 0;
    bool ended = true;
    TRY(find_segments(w, image));
    TRY(replay(r, image, &end, &ended));
    if (r->damage.len && !ret_damaged)
        return judge(r, NULL, NULL);
    if (ended)
        TRY(begin_segment(w, image, &end));
    TRY(set_tail(w, image, end));
    buf_append(&w->damage, r->damage.data, r->damage.len);
    TRY(wal__keeper_start(w)); /* logging may need a further segment */
    return judge(r, ret_damaged, ret_n_damaged);
}

struct error *wal__recover(struct wal *w, uint64_t **ret_damaged, size_t *ret_n_damaged)
{
    struct recovery r = {.w = w};
    struct buf image = {0};
    struct error *e = recover(&r, &image, ret_damaged, ret_n_damaged);
    buf_done(&image);
    buf_done(&r.where);
    buf_done(&r.damage);
    return e;
}

/* ---- looking only ------------------------------------------------------------------------- */

/* The segments in use become w->active. */
static struct error *take_used(struct wal *w, struct buf *image)
{
    uint32_t *numbers = NULL;
    size_t n = 0, used = 0;
    struct wal_segments all = {0};
    TRY(list_segments(w, &numbers, &n));
    struct error *e = open_all(w, numbers, n, &all);
    if (!e)
        e = count_used(w, &all, image, &used);
    for (size_t i = 0; i < all.len; i++) {
        if (!e && i < used)
            wal__segments_push(&w->active, all.items[i]);
        else
            wal__segment_free(w, all.items[i]);
    }
    mem_free(all.items);
    mem_free(numbers);
    return e;
}

struct error *wal__look(struct wal *w, struct error **ret_damage)
{
    struct recovery r = {.w = w};
    struct buf image = {0};
    size_t end = 0, n = 0;
    bool ended = true;
    struct error *e = take_used(w, &image);
    if (!e)
        e = replay(&r, &image, &end, &ended);
    uint64_t *list = list_damaged(w, &n);
    if (!e)
        *ret_damage = r.damage.len || n ? damage_error(&r, list, n) : NULL;
    mem_free(list);
    buf_done(&image);
    buf_done(&r.where);
    buf_done(&r.damage);
    return e;
}
