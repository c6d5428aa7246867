/*
 * wal: the server's log, shared by all its regions.
 *
 * A directory of fixed-size, zero-filled, recycled segments of checksummed records. Group commit:
 * any number of threads append; whoever needs durability calls wal_sync(), and one of the waiting
 * threads does one write and one fdatasync for all. The log is the durable truth: see DESIGN.md,
 * section 4.
 *
 * Within a region lsns are consecutive. Appending (region, lsn) when the log already holds entries
 * of the region at or above lsn replaces them (a new primary's truth); so does wal_truncate.
 *
 * Thread-safe throughout.
 */
#pragma once

#include "base/base.h"

#include <sys/types.h>

struct wal;

struct wal_entry {
    uint64_t region;
    uint64_t lsn;   /* from 1 */
    uint64_t epoch; /* under which the entry was first prepared or re-proposed */
    const char *data;
    uint32_t len; /* at most WAL_MAX_ENTRY */
};

enum { WAL_MAX_ENTRY = 4 * 1024 * 1024 };

/* The system calls under a log: each does what the one of its name does, errno included. Tests and
 * the simulator bring their own. */
struct wal_io {
    int (*open)(const char *path, int flags, mode_t mode);
    int (*close)(int fd);
    off_t (*size)(int fd); /* -1: failed */
    ssize_t (*pread)(int fd, void *data, size_t len, off_t offset);
    ssize_t (*pwrite)(int fd, const void *data, size_t len, off_t offset);
    int (*fsync)(int fd);
    int (*lock)(int fd); /* flock: exclusive, without waiting */
    int (*mkdir)(const char *path, mode_t mode);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
    /* Calls back with the name of each file in the directory, in any order. */
    int (*list)(const char *directory, void (*found)(void *ctx, const char *name), void *ctx);
};

struct wal_options {
    uint64_t segment_bytes;  /* 0: 16 MiB */
    uint32_t spare_segments; /* recycled ones kept ready, zero-filled; 0: 2 */
    const struct wal_io *io; /* NULL: the system's */
    bool no_thread;          /* nobody keeps spares ready but wal_keep, and who runs out of them */
};

/* Called once for each region found in the log at opening, in any order: the entries that survive
 * are first_lsn .. last_lsn. Damage in the tail was cut off already. */
typedef void wal_found_fn(void *ctx, uint64_t region, uint64_t first_lsn, uint64_t last_lsn,
                          uint64_t last_epoch);

/*
 * Opens or creates. Errors: 58030 I/O (with path); 55006 another process has it open; 0A000 a newer
 * format; XX001 damage before the tail, naming the file and the regions that lose entries: these
 * replicas are to be rebuilt. With `ret_damaged` the log opens in spite of damage, lists those
 * regions there (the caller frees it with mem_free) and holds none of their entries. A region whose
 * every record lay in the damaged bytes is unknown to the log: when wal_is_damaged(), a replica
 * that `found` didn't name can't tell either what it lost. When all of them are marked, durably,
 * call wal_settle(). Entries of regions that this server no longer hosts hold segments back until
 * wal_truncate(region, 0).
 */
struct error *wal_open(const char *dir, const struct wal_options *options, wal_found_fn *found,
                       void *ctx, struct wal **ret, uint64_t **ret_damaged, size_t *ret_n_damaged);
void wal_close(struct wal *w); /* syncs what was appended */
/* Opening met damage that is not settled. */
bool wal_is_damaged(const struct wal *w);
/* The damage was dealt with: later openings take no notice of it. Durable when it returns. */
struct error *wal_settle(struct wal *w);
/* What wal_open would find in the log of a stopped server, without changing anything. *ret_damage:
 * the XX001 that it would give without `ret_damaged` (the caller frees it), or NULL. */
struct error *wal_inspect(const char *dir, wal_found_fn *found, void *ctx,
                          struct error **ret_damage);

/* Appends entries of one region, in order, with lsns following each other. Copies the data into the
 * log's buffer; not durable until wal_sync. Returns a position to sync to. Fails (58030, 53100)
 * only when the log is already broken or the disk is full; after a failed write or sync every later
 * call fails with the same error. */
struct error *wal_append(struct wal *w, const struct wal_entry *entries, size_t n,
                         uint64_t *ret_position);
/* Forgets the region's entries above lsn (0: all of them). Durable with the next sync. */
struct error *wal_truncate(struct wal *w, uint64_t region, uint64_t lsn, uint64_t *ret_position);
/* Returns when everything up to `position` is on disk (fdatasync). */
struct error *wal_sync(struct wal *w, uint64_t position);

/* Reads back entries from lsn `from` on (appended ones too, synced or not), until max_bytes or
 * max_n; at least one if there is one. Data goes to `a`. *ret_n = 0: the log doesn't hold `from`
 * (recycled, or not written yet); compare with wal_range. XX001 if the record is damaged. */
struct error *wal_read(struct wal *w, uint64_t region, uint64_t from, size_t max_bytes,
                       struct arena *a, struct wal_entry *ret, size_t max_n, size_t *ret_n);
/* first > last when the log holds nothing of the region. */
void wal_range(struct wal *w, uint64_t region, uint64_t *ret_first, uint64_t *ret_last,
               uint64_t *ret_last_epoch);
/* Epoch of one entry held; 0 if it isn't. */
uint64_t wal_epoch(struct wal *w, uint64_t region, uint64_t lsn);

/* Without a thread of its own: one step of its work, which is making, recycling or removing a
 * segment. False: there was nothing to do, or it failed. */
bool wal_keep(struct wal *w);

/* Says that the region's file durably holds everything up to lsn. Segments of which every region's
 * entries are so held are recycled. */
void wal_release(struct wal *w, uint64_t region, uint64_t lsn);
/* Regions that hold back the oldest segment, and the bytes kept: so that the caller can checkpoint
 * them. Returns how many were written to `regions` (at most max). */
size_t wal_pressure(struct wal *w, uint64_t *regions, size_t max, uint64_t *ret_bytes);
