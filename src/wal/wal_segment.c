/*
 * Segment files, and the thread that keeps spares ready.
 *
 *   spare.tmp --rename--> NNNN.log, ready --> active (written to) --> retired --rename-->
 * NNNN'.log, ready
 *                                                                        \--unlink, when there are
 * enough
 *
 * A file gets its number (name) before it is used, and the directory is synced after each rename or
 * unlink, so switching to the next segment costs nothing. Numbers of active and ready segments
 * follow each other without a gap: one that is missing is damage. Segments retire oldest first,
 * because a truncate record must not go before the entries that it cancels.
 *
 * Files are opened with O_DSYNC: one pwrite is write and sync in one (82 us against 108 with
 * fdatasync, DESIGN.md section 6).
 */
#include "wal_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPARE_FILE "spare.tmp"

/* ---- the system --------------------------------------------------------------------------- */

static int system_open(const char *path, int flags, mode_t mode)
{
    return open(path, flags, mode);
}

static off_t system_size(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_size : -1;
}

static int system_lock(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB);
}

static int system_list(const char *directory, void (*found)(void *ctx, const char *name), void *ctx)
{
    DIR *d = opendir(directory);
    if (!d)
        return -1;
    struct dirent *entry;
    while ((entry = readdir(d)))
        found(ctx, entry->d_name);
    return closedir(d);
}

struct wal_io wal__io = {.open = system_open,
                         .close = close,
                         .size = system_size,
                         .pread = pread,
                         .pwrite = pwrite,
                         .fsync = fsync,
                         .lock = system_lock,
                         .mkdir = mkdir,
                         .rename = rename,
                         .unlink = unlink,
                         .list = system_list};

/* ---- lists -------------------------------------------------------------------------------- */

void wal__segments_push(struct wal_segments *s, struct wal_segment *item)
{
    if (s->len == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 8;
        s->items = mem_realloc(s->items, s->cap * sizeof(*s->items));
    }
    s->items[s->len++] = item;
}

struct wal_segment *wal__segments_shift(struct wal_segments *s)
{
    struct wal_segment *first = s->items[0];
    s->len--;
    memmove(s->items, s->items + 1, s->len * sizeof(*s->items));
    return first;
}

struct wal_segment *wal__find_segment(struct wal *w, uint32_t number)
{
    size_t low = 0, high = w->active.len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        struct wal_segment *s = w->active.items[middle];
        if (s->number == number)
            return s;
        if (s->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void wal__segment_free(struct wal *w, struct wal_segment *s)
{
    if (s && s->fd >= 0)
        w->io->close(s->fd);
    mem_free(s);
}

/* ---- files -------------------------------------------------------------------------------- */

static struct error *io_failure(int err, const char *verb, const char *path)
{
    struct error *e = error_errno(err == ENOSPC || err == EDQUOT ? E_DISK_FULL : E_IO, err,
                                  "could not %s log file \"%s\"", verb, path);
    if (err == ENOSPC || err == EDQUOT)
        error_hint(e, "Free space on the file system that holds the data directory.");
    return e;
}

char *wal__segment_path(const struct wal *w, uint32_t number)
{
    return mem_printf("%s/%010" PRIu32 ".log", w->directory, number);
}

struct error *wal__sync_directory(struct wal *w)
{
    if (w->io->fsync(w->directory_fd) != 0)
        return io_failure(errno, "sync the directory of", w->directory);
    return NULL;
}

struct error *wal__segment_open(struct wal *w, uint32_t number, struct wal_segment **ret)
{
    _cleanup_(mem_freep) char *path = wal__segment_path(w, number);
    int fd = w->io->open(path, O_RDWR | O_DSYNC | O_CLOEXEC, 0);
    if (fd < 0)
        return io_failure(errno, "open", path);
    off_t size = w->io->size(fd);
    if (size < 0) {
        struct error *e = io_failure(errno, "stat", path);
        w->io->close(fd);
        return e;
    }
    struct wal_segment *s = NEW(struct wal_segment);
    *s = (struct wal_segment){.number = number, .fd = fd, .size = (size_t)size};
    *ret = s;
    return NULL;
}

static int write_zeros(const struct wal *w, int fd, size_t len)
{
    enum { PIECE = 1024 * 1024 };
    char *zeros = mem_zalloc(MIN(len, (size_t)PIECE));
    int err = 0;
    for (size_t at = 0; at < len && !err;) {
        ssize_t n = w->io->pwrite(fd, zeros, MIN(len - at, (size_t)PIECE), (off_t)at);
        if (n > 0)
            at += (size_t)n;
        else if (n == 0 || errno != EINTR)
            err = n == 0 ? ENOSPC : errno;
    }
    mem_free(zeros);
    return err;
}

/* Zeros are written, not only reserved: a write into reserved blocks has to change the file
 * system's own records too, which doubles its time. */
static struct error *make_file(struct wal *w, const char *path)
{
    int fd = w->io->open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_failure(errno, "create", path);
    int err = write_zeros(w, fd, w->segment_bytes);
    if (!err && w->io->fsync(fd) != 0)
        err = errno;
    w->io->close(fd);
    if (!err)
        return NULL;
    w->io->unlink(path);
    return io_failure(err, "fill", path);
}

static struct error *rename_file(struct wal *w, const char *from, const char *to)
{
    if (w->io->rename(from, to) != 0)
        return io_failure(errno, "rename", from);
    return wal__sync_directory(w);
}

struct error *wal__segment_make(struct wal *w, uint32_t number, struct wal_segment **ret)
{
    _cleanup_(mem_freep) char *spare = mem_printf("%s/" SPARE_FILE, w->directory);
    _cleanup_(mem_freep) char *path = wal__segment_path(w, number);
    TRY(make_file(w, spare));
    TRY(rename_file(w, spare, path));
    return wal__segment_open(w, number, ret);
}

struct error *wal__segment_remove(struct wal *w, uint32_t number)
{
    _cleanup_(mem_freep) char *path = wal__segment_path(w, number);
    if (w->io->unlink(path) != 0 && errno != ENOENT)
        return io_failure(errno, "remove", path);
    return wal__sync_directory(w);
}

struct error *wal__write(struct wal *w, const struct wal_segment *s, const char *data, size_t len,
                         size_t offset)
{
    int err = offset + len > s->size ? EFBIG : 0;
    for (size_t done = 0; done < len && !err;) {
        ssize_t n = w->io->pwrite(s->fd, data + done, len - done, (off_t)(offset + done));
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            err = n == 0 ? EIO : errno;
    }
    if (!err)
        return NULL;
    _cleanup_(mem_freep) char *path = wal__segment_path(w, s->number);
    return io_failure(err, "write", path);
}

struct error *wal__read(struct wal *w, const struct wal_segment *s, char *data, size_t len,
                        size_t offset)
{
    int err = 0;
    for (size_t done = 0; done < len && !err;) {
        ssize_t n = w->io->pread(s->fd, data + done, len - done, (off_t)(offset + done));
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            err = n == 0 ? EIO : errno;
    }
    if (!err)
        return NULL;
    _cleanup_(mem_freep) char *path = wal__segment_path(w, s->number);
    return io_failure(err, "read", path);
}

/* ---- the directory ------------------------------------------------------------------------ */

static struct error *make_directory(struct wal *w)
{
    if (w->io->mkdir(w->directory, 0700) == 0) {
        /* the new directory's own name has to survive a crash */
        _cleanup_(mem_freep) char *parent = mem_printf("%s/..", w->directory);
        int fd = w->io->open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
        int err = fd < 0 || w->io->fsync(fd) != 0 ? errno : 0;
        if (fd >= 0)
            w->io->close(fd);
        if (err)
            return io_failure(err, "sync the directory of", w->directory);
    } else if (errno != EEXIST) {
        return error_hint(
            error_errno(E_IO, errno, "could not create log directory \"%s\"", w->directory),
            "The data directory must exist and be writable for the user that runs minisqld.");
    }
    return NULL;
}

struct error *wal__lock_directory(struct wal *w)
{
    TRY(make_directory(w));
    w->directory_fd = w->io->open(w->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (w->directory_fd < 0)
        return error_errno(E_IO, errno, "could not open log directory \"%s\"", w->directory);
    _cleanup_(mem_freep) char *path = mem_printf("%s/lock", w->directory);
    w->lock_fd = w->io->open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (w->lock_fd < 0)
        return error_hint(io_failure(errno, "open", path),
                          "The data directory must be writable for the user that runs minisqld.");
    if (w->io->lock(w->lock_fd) == 0)
        return NULL;
    if (errno != EWOULDBLOCK)
        return io_failure(errno, "lock", path);
    return error_hint(error_new("55006", "log directory \"%s\" is in use", w->directory),
                      "Another minisqld uses this data directory: stop it first, or start this "
                      "one with another --data.");
}

/* ---- recycling ---------------------------------------------------------------------------- */

static bool retirable(struct wal *w)
{
    if (w->active.len < 2)
        return false;
    struct wal_segment *s = w->active.items[0];
    if (s->live || s->pins || s->until > w->synced)
        return false;
    /* what was not written yet lies in a batch that points at its segment */
    for (int b = 0; b < 2; b++)
        for (size_t i = 0; i < w->batches[b].len; i++)
            if (w->batches[b].chunks[i].segment == s)
                return false;
    return true;
}

void wal__retire(struct wal *w)
{
    bool any = false;
    for (; retirable(w); any = true) {
        struct wal_segment *s = wal__segments_shift(&w->active);
        void *g;
        for (size_t i = 0; map_next(&w->regions, &i, &g);)
            wal__index_forget_segment(g, s->number);
        wal__segments_push(&w->retired, s);
    }
    if (any)
        pthread_cond_signal(&w->keeper_wakes);
}

/* Gives a retired file its next number, or removes it when there are spares enough. */
static struct error *recycle(struct wal *w, struct wal_segment *s, bool keep, uint32_t number,
                             struct wal_segment **ret)
{
    if (!keep)
        return wal__segment_remove(w, s->number);
    _cleanup_(mem_freep) char *from = wal__segment_path(w, s->number);
    _cleanup_(mem_freep) char *to = wal__segment_path(w, number);
    TRY(rename_file(w, from, to));
    return wal__segment_open(w, number, ret);
}

/* A file whose recycling failed goes first again, and only to be removed: it may have its new name
 * already. Skipping it would leave a gap in the numbers. */
static void put_back(struct wal_segments *s, struct wal_segment *item)
{
    wal__segments_push(s, item);
    memmove(s->items + 1, s->items, (s->len - 1) * sizeof(*s->items));
    s->items[0] = item;
    item->size = 0;
}

/* One step of the keeper's work. Called and returns with the lock held; lets go of it between. */
static void keep_one(struct wal *w)
{
    struct wal_segment *old = w->retired.len ? wal__segments_shift(&w->retired) : NULL;
    struct wal_segment *fresh = NULL;
    bool keep = w->ready.len < w->spares || w->wanted;
    uint32_t number = w->next_number;
    struct error *e;

    pthread_mutex_unlock(&w->lock);
    if (old)
        e = recycle(w, old, keep && old->size == w->segment_bytes, number, &fresh);
    else
        e = wal__segment_make(w, number, &fresh);
    pthread_mutex_lock(&w->lock);

    if (old && e)
        put_back(&w->retired, old);
    else
        wal__segment_free(w, old);
    if (fresh) {
        wal__segments_push(&w->ready, fresh);
        w->next_number++;
    }
    w->wanted = false;
    error_free(w->keeper_error);
    w->keeper_error = e;
    pthread_cond_broadcast(&w->spares_changed);
}

static bool keeper_has_work(struct wal *w)
{
    return w->retired.len || w->ready.len < w->spares || w->wanted;
}

/* After a failure it tries again when an appender asks, or after a second. */
static void keeper_pause(struct wal *w)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec++;
    w->wanted = false;
    if (!w->stopping)
        pthread_cond_clockwait(&w->keeper_wakes, &w->lock, CLOCK_MONOTONIC, &t);
}

static void *keeper_main(void *arg)
{
    struct wal *w = arg;
    pthread_mutex_lock(&w->lock);
    while (!w->stopping) {
        if (!keeper_has_work(w)) {
            pthread_cond_wait(&w->keeper_wakes, &w->lock);
            continue;
        }
        keep_one(w);
        if (w->keeper_error)
            keeper_pause(w);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

bool wal_keep(struct wal *w)
{
    pthread_mutex_lock(&w->lock);
    bool any = w->no_thread && keeper_has_work(w);
    if (any)
        keep_one(w);
    any &= !w->keeper_error;
    pthread_mutex_unlock(&w->lock);
    return any;
}

void wal__want_segment(struct wal *w)
{
    w->wanted = true;
    if (w->no_thread) {
        keep_one(w);
        return;
    }
    pthread_cond_signal(&w->keeper_wakes);
    pthread_cond_wait(&w->spares_changed, &w->lock);
}

struct error *wal__keeper_start(struct wal *w)
{
    if (w->no_thread)
        return NULL;
    int err = pthread_create(&w->keeper, NULL, keeper_main, w);
    if (err)
        return error_errno("53000", err, "could not start a thread for the log");
    w->keeper_runs = true;
    return NULL;
}

void wal__keeper_stop(struct wal *w)
{
    if (!w->keeper_runs)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->keeper_wakes);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->keeper, NULL);
    w->keeper_runs = false;
}
