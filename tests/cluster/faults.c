/*
 * A library to preload into a server, which makes its disk and its clock fail on command.
 *
 * MINISQL_FAULTS names a file that is mapped: the struct below, written by the test (faults.py) and
 * read here before each call. Only files whose path contains `match` are concerned.
 *
 *   write_errno, sync_errno, read_errno   what such calls fail with, in `percent` of the cases
 *   clock_ns                              is added to the wall clock
 *   journal                               what is not synced yet is remembered in
 * MINISQL_FAULTS.journal:
 *
 * Before a file is changed, what it would take to undo the change goes to the journal; a sync that
 * succeeded says up to where there is nothing to undo any more. After the process was killed, the
 * test undoes what a power cut might have lost. A record is a struct entry, the path and, of a
 * rename, the other path (both ended by 0), and the old bytes. Of names, it is the sync of the
 * directory that counts.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct faults {
    int64_t clock_ns;
    int32_t write_errno, sync_errno, read_errno, percent, journal;
    char match[256];
};

enum kind { WRITE = 1, TRUNCATE, SYNC, CREATE, RENAME, UNLINK };

struct entry {
    uint32_t kind, names; /* bytes of the names that follow */
    uint64_t inode;       /* WRITE, TRUNCATE, SYNC */
    uint64_t offset;      /* SYNC: records before this place of the journal are durable */
    uint64_t size;        /* of the file before */
    uint64_t bytes;       /* that follow the names: what was at the offset before */
    uint64_t
        number; /* RENAME, UNLINK: what was overwritten or removed is MINISQL_FAULTS.<number> */
};

static volatile struct faults *faults;
static const char *control;
static int journal_fd = -1;
static uint64_t journal_size, n_kept;
static pthread_mutex_t lock =
    PTHREAD_MUTEX_INITIALIZER; /* guards the journal, and changes while it is on */

/* What comes after this library: the sanitizer's, or the C library's. */
#define REAL(name)                                                                                 \
    static __typeof__(name) *real;                                                                 \
    if (!real)                                                                                     \
    real = (__typeof__(name) *)(uintptr_t)dlsym(RTLD_NEXT, #name)

static int real_open(const char *path, int flags, mode_t mode)
{
    REAL(open);
    return real(path, flags, mode);
}

__attribute__((constructor)) static void start(void)
{
    control = getenv("MINISQL_FAULTS");
    int fd = control ? real_open(control, O_RDWR | O_CLOEXEC, 0) : -1;
    if (fd < 0)
        return;
    void *p = mmap(NULL, sizeof(struct faults), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        abort();
    faults = p;
    if (faults->journal) {
        char path[PATH_MAX];
        snprintf(path, sizeof(path), "%s.journal", control);
        journal_fd = real_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (journal_fd < 0)
            abort();
    }
}

/* ---- which files, which calls ------------------------------------------------------------- */

static bool path_of(int fd, char path[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 2);
    if (n <= 0)
        return false;
    memcpy(path + n, "/", 2); /* the data directory itself is concerned, too */
    bool concerned = strstr(path, (const char *)faults->match) != NULL;
    path[n] = 0;
    return concerned;
}

static bool fails(int fd, int32_t with)
{
    char path[PATH_MAX];
    int saved = errno;
    if (!faults || !with)
        return false;
    bool concerned = path_of(fd, path) && random() % 100 < faults->percent;
    errno = concerned ? with : saved;
    return concerned;
}

/* ---- the journal -------------------------------------------------------------------------- */

static bool journaled(int fd, char path[PATH_MAX])
{
    int saved = errno;
    bool is = journal_fd >= 0 && path_of(fd, path);
    errno = saved;
    return is;
}

static void put(const void *data, size_t len)
{
    REAL(write);
    for (size_t done = 0; done < len;) {
        ssize_t n = real(journal_fd, (const char *)data + done, len - done);
        if (n <= 0)
            abort();
        done += (size_t)n;
    }
    journal_size += len;
}

static void record(struct entry *e, const char *path, const char *other, const void *old)
{
    size_t first = strlen(path) + 1, second = other ? strlen(other) + 1 : 0;
    e->names = (uint32_t)(first + second);
    put(e, sizeof(*e));
    put(path, first);
    if (other)
        put(other, second);
    if (e->bytes)
        put(old, e->bytes);
}

/* Before bytes from `offset` on change or vanish. The lock is held. */
static void record_change(enum kind kind, int fd, const char *path, uint64_t offset, uint64_t len)
{
    REAL(pread);
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    uint64_t size = (uint64_t)st.st_size, end = offset + len < size ? offset + len : size;
    struct entry e = {.kind = kind, .inode = st.st_ino, .offset = offset, .size = size};
    char *old = NULL;
    if (offset < end) {
        char again[64]; /* the descriptor may be for writing only */
        snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
        int readable = real_open(again, O_RDONLY | O_CLOEXEC, 0);
        old = malloc(end - offset);
        ssize_t n = readable < 0 || !old ? -1 : real(readable, old, end - offset, (off_t)offset);
        if (n != (ssize_t)(end - offset))
            abort();
        close(readable);
        e.bytes = end - offset;
    }
    record(&e, path, NULL, old);
    free(old);
}

static void record_sync(int fd, const char *path, uint64_t upto)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return;
    struct entry e = {.kind = SYNC, .inode = st.st_ino, .offset = upto};
    record(&e, path, NULL, NULL);
}

static ssize_t journaled_write(int fd, const char *path, const void *data, size_t len, off_t offset,
                               ssize_t (*real)(int, const void *, size_t, off_t))
{
    pthread_mutex_lock(&lock);
    record_change(WRITE, fd, path, (uint64_t)offset, len);
    ssize_t n = real(fd, data, len, offset);
    int saved = errno;
    if (n >= 0 && (fcntl(fd, F_GETFL) & O_DSYNC))
        record_sync(fd, path, journal_size);
    errno = saved;
    pthread_mutex_unlock(&lock);
    return n;
}

/* A second name for what a name stands for now, so that it can come back. 0: there is nothing. */
static uint64_t keep(const char *path)
{
    char other[PATH_MAX];
    snprintf(other, sizeof(other), "%s.%llu", control, (unsigned long long)(n_kept + 1));
    unlinkat(AT_FDCWD, other, 0); /* of an earlier life */
    return link(path, other) == 0 ? ++n_kept : 0;
}

/* ---- what the server calls ---------------------------------------------------------------- */

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    REAL(pwrite);
    char path[PATH_MAX];
    if (fails(fd, faults ? faults->write_errno : 0))
        return -1;
    if (journaled(fd, path))
        return journaled_write(fd, path, data, len, offset, real);
    return real(fd, data, len, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
    return pwrite(fd, data, len, offset);
}

ssize_t write(int fd, const void *data, size_t len)
{
    REAL(write);
    char path[PATH_MAX];
    if (fails(fd, faults ? faults->write_errno : 0))
        return -1;
    if (!journaled(fd, path))
        return real(fd, data, len);
    pthread_mutex_lock(&lock);
    record_change(WRITE, fd, path, (uint64_t)lseek(fd, 0, SEEK_CUR), len);
    ssize_t n = real(fd, data, len);
    pthread_mutex_unlock(&lock);
    return n;
}

int ftruncate(int fd, off_t size)
{
    REAL(ftruncate);
    char path[PATH_MAX];
    if (fails(fd, faults ? faults->write_errno : 0))
        return -1;
    if (!journaled(fd, path))
        return real(fd, size);
    pthread_mutex_lock(&lock);
    record_change(TRUNCATE, fd, path, (uint64_t)size, UINT64_MAX - (uint64_t)size);
    int rc = real(fd, size);
    pthread_mutex_unlock(&lock);
    return rc;
}

int ftruncate64(int fd, off64_t size)
{
    return ftruncate(fd, size);
}

static int sync_file(int fd, int (*real)(int))
{
    char path[PATH_MAX];
    if (fails(fd, faults ? faults->sync_errno : 0))
        return -1;
    if (!journaled(fd, path))
        return real(fd);
    pthread_mutex_lock(&lock);
    uint64_t upto = journal_size;
    pthread_mutex_unlock(&lock);
    int rc = real(fd);
    int saved = errno;
    pthread_mutex_lock(&lock);
    if (rc == 0)
        record_sync(fd, path, upto);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return rc;
}

int fsync(int fd)
{
    REAL(fsync);
    return sync_file(fd, real);
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    return sync_file(fd, real);
}

ssize_t pread(int fd, void *data, size_t len, off_t offset)
{
    REAL(pread);
    return fails(fd, faults ? faults->read_errno : 0) ? -1 : real(fd, data, len, offset);
}

ssize_t pread64(int fd, void *data, size_t len, off64_t offset)
{
    return pread(fd, data, len, offset);
}

ssize_t read(int fd, void *data, size_t len)
{
    REAL(read);
    return fails(fd, faults ? faults->read_errno : 0) ? -1 : real(fd, data, len);
}

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list args;
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    bool look = journal_fd >= 0 && (flags & (O_CREAT | O_TRUNC)) &&
                strstr(path, (const char *)faults->match);
    if (!look)
        return real_open(path, flags, mode);
    pthread_mutex_lock(&lock);
    bool is_new = access(path, F_OK) != 0;
    if (!is_new && (flags & O_TRUNC)) {
        int fd = real_open(path, O_WRONLY | O_CLOEXEC, 0);
        record_change(TRUNCATE, fd, path, 0, UINT64_MAX);
        close(fd);
    }
    int fd = real_open(path, flags, mode);
    int saved = errno;
    if (fd >= 0 && is_new)
        record(&(struct entry){.kind = CREATE}, path, NULL, NULL);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return fd;
}

int open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open(path, flags, mode);
}

int rename(const char *from, const char *to)
{
    REAL(rename);
    if (journal_fd < 0 || !strstr(to, (const char *)faults->match))
        return real(from, to);
    pthread_mutex_lock(&lock);
    struct entry e = {.kind = RENAME, .number = keep(to)};
    int rc = real(from, to);
    int saved = errno;
    if (rc == 0)
        record(&e, from, to, NULL);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return rc;
}

int unlink(const char *path)
{
    REAL(unlink);
    if (journal_fd < 0 || !strstr(path, (const char *)faults->match))
        return real(path);
    pthread_mutex_lock(&lock);
    struct entry e = {.kind = UNLINK, .number = keep(path)};
    int rc = real(path);
    int saved = errno;
    if (rc == 0)
        record(&e, path, NULL, NULL);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return rc;
}

/* ---- the clock ---------------------------------------------------------------------------- */

static void shift(struct timespec *t)
{
    int64_t ns = (int64_t)t->tv_sec * 1000000000 + t->tv_nsec + (faults ? faults->clock_ns : 0);
    t->tv_sec = (time_t)(ns / 1000000000);
    t->tv_nsec = (long)(ns % 1000000000);
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    REAL(clock_gettime);
    int rc = real(clock, ret);
    if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        shift(ret);
    return rc;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec t;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &t);
    *ret = (struct timeval){.tv_sec = t.tv_sec, .tv_usec = t.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (ret)
        *ret = t.tv_sec;
    return t.tv_sec;
}
