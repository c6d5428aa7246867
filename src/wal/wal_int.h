/*
 * The log's own parts, private to this folder.
 *
 *   wal.c          the public functions: append, sync (group commit), read, release
 *   wal_record.c   bytes <-> records; walking a segment's image (pure, fuzzed)
 *   wal_index.c    region -> where its entries lie
 *   wal_segment.c  files: making, recycling, writing, and the thread that keeps spares ready
 *   wal_recover.c  what opening does: read it all, cut the tail, judge damage
 */
#pragma once

#include "wal/wal.h"

#include <pthread.h>

/* ---- records ------------------------------------------------------------------------------ */

enum {
    WAL_PAGE = 4096, /* writes start and end at multiples of it */
    WAL_ALIGN = 8,   /* records start at multiples of it */
    WAL_HEADER = 48, /* bytes of a record before its data */
    WAL_FORMAT = 1,  /* the last byte of the magic number */
};

enum wal_kind {
    /* Starts every write. Written only after everything before it is on disk: so damage that lies
     * before a valid one is not a torn tail. lsn holds the segment's number. */
    WAL_BATCH = 1,
    WAL_ENTRY = 2,
    WAL_TRUNCATE = 3, /* forget the region's entries above lsn */
    WAL_END = 4,      /* the log goes on in the next segment */
    WAL_SETTLED = 5,  /* damage before it, known by the hash in lsn, was dealt with */
};

struct wal_record {
    enum wal_kind kind;
    uint32_t
        segment;    /* number of the segment that it was written for: recycled bytes are not ours */
    uint32_t chain; /* checksum of the region's record before this one; 0: there was none */
    uint32_t crc;
    uint32_t len;
    uint64_t region, lsn, epoch;
    const char *data; /* borrowed */
};

/* Bytes that a record with so much data takes in a segment. */
size_t wal__record_size(size_t len);
/* Appends the record; sets r->crc. */
void wal__encode(struct buf *out, struct wal_record *r);
/* False when the bytes at `data` don't start with an intact record of this segment. */
bool wal__decode(const char *data, size_t len, uint32_t segment, struct wal_record *ret);
/* The format number when the bytes start like a record of another format, else 0. */
int wal__other_format(const char *data, size_t len);

/* Walks a segment's image. `proven`: a later segment was begun, so all of this one was on disk. */
struct wal_scan {
    void *ctx;
    struct error *(*record)(void *ctx, const struct wal_record *r, size_t offset);
    void (*damage)(void *ctx, size_t from, size_t to);
};
/* *ret_end: where the next record goes; *ret_ended: a WAL_END was found there. Errors: the
 * callback's own. */
struct error *wal__scan(const char *image, size_t len, uint32_t segment, bool proven,
                        const struct wal_scan *scan, size_t *ret_end, bool *ret_ended);

/* ---- structures --------------------------------------------------------------------------- */

struct wal_ref {
    uint32_t segment, offset, len;
};

struct wal_epoch_run {
    uint64_t lsn, epoch; /* entries from lsn on, up to the next run */
};

/* What the log holds of one region: first .. last, in refs[start ..]. Guarded by wal.lock. */
struct wal_region {
    uint64_t id;
    uint64_t first, last; /* first = last + 1: nothing */
    uint64_t last_epoch;
    uint64_t released;
    struct wal_ref *refs;
    size_t start, cap; /* in use: last - first + 1 from start on */
    struct wal_epoch_run *runs;
    size_t n_runs, cap_runs;
    uint32_t chain;
    bool suspect, damaged; /* used by recovery only */
};

struct wal_segment {
    uint32_t number;
    int fd;
    size_t size;
    uint64_t live;  /* entries here that are neither released nor replaced */
    uint64_t until; /* a replacement counts once the log is synced up to here */
    unsigned pins;  /* readers in it; it is not recycled meanwhile */
};

struct wal_segments {
    struct wal_segment **items;
    size_t len, cap;
};

/* Bytes for one segment, from a page's start on. */
struct wal_chunk {
    struct wal_segment *segment;
    size_t start;
    struct buf bytes;
};

/* What one sync writes: usually one chunk, more where it runs over a segment's end. */
struct wal_batch {
    struct wal_chunk *chunks;
    size_t len, cap;
};

/*
 * Lock: `lock` guards every field below it, except: a batch while `writing` is set belongs to the
 * thread that writes (others may read its bytes); `directory`, `lock_file` and the options never
 * change. A segment's fd may be used without the lock while it is pinned, current, or being
 * written.
 */
struct wal {
    char *directory;
    int directory_fd, lock_fd;
    size_t segment_bytes;
    size_t spares;
    const struct wal_io *io;
    bool no_thread;

    pthread_mutex_t lock;
    pthread_cond_t synced_changed, spares_changed, keeper_wakes;
    struct map regions; /* id -> struct wal_region */

    struct wal_segments active;  /* oldest first; the last one is written to */
    struct wal_segments ready;   /* made, named, empty; next first */
    struct wal_segments retired; /* to be recycled by the keeper */
    uint32_t next_number;        /* of the next segment to be made */

    size_t tail;          /* where the next record goes in the current segment */
    char carry[WAL_PAGE]; /* the tail's page up to the tail, while `pending` is empty */
    struct wal_batch batches[2];
    struct wal_batch *pending; /* appended, not being written */
    struct wal_batch *flushed; /* being written, or the last one that was */
    uint64_t appended, synced; /* positions */
    bool writing;
    struct buf damage;    /* uint64_t hashes of what opening met and wal_settle has not seen to */
    struct error *broken; /* set once: a write failed, nothing is trusted from then on */

    pthread_t keeper;
    bool keeper_runs, stopping, wanted; /* wanted: an appender waits for a segment */
    struct error *keeper_error;
};

/* ---- wal_index.c -------------------------------------------------------------------------- */

struct wal_region *wal__region(struct wal *w, uint64_t id);      /* made when missing */
struct wal_region *wal__find_region(struct wal *w, uint64_t id); /* or NULL */
void wal__region_free(struct wal_region *g);
/* lsn is last + 1, or the region is empty. */
void wal__index_add(struct wal *w, struct wal_region *g, uint64_t lsn, uint64_t epoch,
                    struct wal_ref ref);
void wal__index_truncate(struct wal *w, struct wal_region *g, uint64_t lsn);
void wal__index_release(struct wal *w, struct wal_region *g, uint64_t lsn);
void wal__index_forget_segment(struct wal_region *g, uint32_t segment); /* it and older ones */
const struct wal_ref *wal__index_ref(const struct wal_region *g, uint64_t lsn); /* or NULL */
uint64_t wal__index_epoch(const struct wal_region *g, uint64_t lsn);            /* or 0 */

/* ---- wal_segment.c ------------------------------------------------------------------------ */

/* The system's own; tests replace some of them. */
extern struct wal_io wal__io;

void wal__segments_push(struct wal_segments *s, struct wal_segment *item);
struct wal_segment *wal__segments_shift(struct wal_segments *s);
struct wal_segment *wal__find_segment(struct wal *w, uint32_t number); /* active ones; or NULL */
void wal__segment_free(struct wal *w, struct wal_segment *s);
char *wal__segment_path(const struct wal *w, uint32_t number);
struct error *wal__segment_open(struct wal *w, uint32_t number, struct wal_segment **ret);
struct error *wal__segment_make(struct wal *w, uint32_t number, struct wal_segment **ret);
struct error *wal__segment_remove(struct wal *w, uint32_t number);
struct error *wal__write(struct wal *w, const struct wal_segment *s, const char *data, size_t len,
                         size_t offset);
struct error *wal__read(struct wal *w, const struct wal_segment *s, char *data, size_t len,
                        size_t offset);
struct error *wal__lock_directory(struct wal *w);
struct error *wal__sync_directory(struct wal *w);
/* Moves the oldest segments that nobody needs to `retired`. Under the lock. */
void wal__retire(struct wal *w);
struct error *wal__keeper_start(struct wal *w);
void wal__keeper_stop(struct wal *w);
/* Wakes the keeper for a segment and waits for it, or makes one. Under the lock. */
void wal__want_segment(struct wal *w);

/* ---- wal_recover.c ------------------------------------------------------------------------ */

/* Fills index, segments and tail from the directory, and starts the keeper. */
struct error *wal__recover(struct wal *w, uint64_t **ret_damaged, size_t *ret_n_damaged);
/* Fills the index only, and changes no file. */
struct error *wal__look(struct wal *w, struct error **ret_damage);

/* ---- wal.c -------------------------------------------------------------------------------- */

/* Appends one record under the lock; the caller made sure that there are segments for it. */
void wal__put(struct wal *w, struct wal_region *g, struct wal_record *r, struct wal_ref *ret);
/* Waits until records of these sizes fit. Under the lock, which it may let go of meanwhile. */
struct error *wal__ensure_room(struct wal *w, const struct wal_entry *entries, size_t n);
