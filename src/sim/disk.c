/*
 * A server's disk, as the log sees it: struct wal_io over memory.
 *
 * A file is an inode with what the process reads (`now`) and what is on the platters (`durable`); a
 * write through O_DSYNC, or fsync, carries bytes from one to the other. A power cut leaves of each
 * sector that was on its way the old bytes or the new ones, and of the directory's changes any
 * beginning. Names go the same way: `names` and `durable_names`, and the states between.
 *
 * A disk can be told to die at the n-th operation from now: that one is done in part, the later
 * ones not at all, and the process is taken down when its event is over. So it crashes at any point
 * of anything that it does, opening and recycling included.
 *
 * The calls know no context, so file descriptors bear the server's number, and there is one world
 * at a time (`world`).
 */
#include "sim/sim_int.h"

#include <errno.h>
#include <fcntl.h>

enum { FD_BASE = 1 << 20, FD_STEP = 1 << 10, FD_DIRECTORY = FD_STEP - 1, SECTOR = 512 };

static struct sim *world;

void disk__world(struct sim *s)
{
    world = s;
}

/* ---- inodes ------------------------------------------------------------------------------- */

static void inode_free(struct inode *f)
{
    mem_free(f->now);
    mem_free(f->durable);
    mem_free(f->dirty);
    *f = (struct inode){0};
}

static void grow(struct inode *f, size_t size)
{
    size_t pages = (size + DISK_PAGE - 1) / DISK_PAGE, old = f->cap / DISK_PAGE;
    if (pages <= old)
        return;
    f->cap = pages * DISK_PAGE;
    f->now = mem_realloc(f->now, f->cap);
    f->durable = mem_realloc(f->durable, f->cap);
    f->dirty = mem_realloc(f->dirty, pages);
    memset(f->now + old * DISK_PAGE, 0, f->cap - old * DISK_PAGE);
    memset(f->durable + old * DISK_PAGE, 0, f->cap - old * DISK_PAGE);
    memset(f->dirty + old, 0, pages - old);
}

static void put(struct inode *f, const char *data, size_t len, size_t offset, bool sync)
{
    memcpy(f->now + offset, data, len);
    if (sync)
        memcpy(f->durable + offset, data, len);
    else
        memset(f->dirty + offset / DISK_PAGE, 1,
               (offset + len - 1) / DISK_PAGE - offset / DISK_PAGE + 1);
}

/* A write that does not come to its end: of its sectors some. */
static void tear(struct sim *s, struct inode *f, const char *data, size_t len, size_t offset,
                 bool sync)
{
    for (size_t at = 0; at < len; at += SECTOR)
        if (sim__likely(s, 500))
            put(f, data + at, MIN((size_t)SECTOR, len - at), offset + at, sync);
}

static void write_back(struct inode *f, size_t page)
{
    memcpy(f->durable + page * DISK_PAGE, f->now + page * DISK_PAGE, DISK_PAGE);
}

/* What a power cut leaves of the pages that were not synced. */
static void lose_pages(struct sim *s, struct inode *f)
{
    for (size_t page = 0; page < f->cap / DISK_PAGE; page++) {
        for (size_t at = page * DISK_PAGE; f->dirty[page] && at < (page + 1) * DISK_PAGE;
             at += SECTOR)
            if (sim__likely(s, 500))
                memcpy(f->durable + at, f->now + at, SECTOR);
        f->dirty[page] = 0;
    }
    if (f->size != f->durable_size && sim__likely(s, 500))
        f->size = f->durable_size;
    f->durable_size = f->size;
    if (f->cap)
        memcpy(f->now, f->durable, f->cap);
}

/* ---- names -------------------------------------------------------------------------------- */

static int find_name(const struct names *names, const char *name)
{
    for (int i = 0; i < names->n; i++)
        if (strcmp(names->at[i].name, name) == 0)
            return i;
    return -1;
}

static void remember_names(struct disk *d)
{
    if (d->n_between == (int)ARRAY_LEN(d->between)) {
        d->durable_names = d->between[0];
        memmove(d->between, d->between + 1, sizeof(d->between) - sizeof(d->between[0]));
        d->n_between--;
    }
    d->between[d->n_between++] = d->names;
}

static void remove_name(struct names *names, int i)
{
    if (i >= 0)
        names->at[i] = names->at[--names->n];
}

static bool names_hold(const struct names *names, int inode)
{
    for (int i = 0; i < names->n; i++)
        if (names->at[i].inode == inode)
            return true;
    return false;
}

static bool in_use(const struct disk *d, int inode)
{
    bool used = names_hold(&d->names, inode) || names_hold(&d->durable_names, inode);
    for (int i = 0; i < d->n_between; i++)
        used |= names_hold(&d->between[i], inode);
    for (int i = 0; i < DISK_FDS; i++)
        used |= d->fds[i].open && d->fds[i].inode == inode;
    return used;
}

/* Takes a place of its own, or one that nothing leads to any more. */
static int new_inode(struct disk *d)
{
    for (int i = 0; i < DISK_INODES; i++) {
        if (in_use(d, i))
            continue;
        inode_free(&d->inodes[i]);
        return i;
    }
    sim__fail(world, "a log keeps %d files", DISK_INODES);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- which disk, and is it alive ---------------------------------------------------------- */

/* Paths begin with "s<number>/". */
static struct sim_server *server_of_path(const char *path)
{
    return &world->servers[path[1] - '0'];
}

static struct sim_server *server_of_fd(int fd)
{
    return &world->servers[(fd - FD_BASE) / FD_STEP];
}

/* Counts an operation. False: the disk is dead, or dies with this one (*ret_now, which may be NULL,
 * says so). */
static bool alive(struct sim_server *v, bool *ret_now)
{
    struct disk *d = &v->disk;
    if (ret_now)
        *ret_now = false;
    if (!d->dead && d->dies_in && --d->dies_in == 0) {
        TRACE(world, "s%u dies in a disk operation", v->id);
        d->dead = v->dying = true;
        if (ret_now)
            *ret_now = true;
    }
    if (d->dead)
        errno = EIO;
    return !d->dead;
}

static bool write_fails(const struct sim_server *v)
{
    return world->now < v->disk.bad_until;
}

/* ---- the calls ----------------------------------------------------------------------------- */

static int new_fd(struct sim_server *v, int inode, bool sync)
{
    struct disk *d = &v->disk;
    for (int i = 0; i < DISK_FDS; i++) {
        if (d->fds[i].open)
            continue;
        d->fds[i].open = true;
        d->fds[i].inode = inode;
        d->fds[i].sync = sync;
        return FD_BASE + (int)v->id * FD_STEP + i;
    }
    sim__fail(world, "s%u has %d files open", v->id, DISK_FDS);
}

static int disk_open(const char *path, int flags, mode_t mode)
{
    struct sim_server *v = server_of_path(path);
    struct disk *d = &v->disk;
    (void)mode;
    if (!alive(v, NULL))
        return -1;
    if (flags & O_DIRECTORY)
        return FD_BASE + (int)v->id * FD_STEP + FD_DIRECTORY;
    int at = find_name(&d->names, base_name(path));
    if (at < 0 && !(flags & O_CREAT)) {
        errno = ENOENT;
        return -1;
    }
    int inode = at >= 0 ? d->names.at[at].inode : new_inode(d);
    if (at < 0) {
        if (d->names.n == DISK_NAMES)
            sim__fail(world, "s%u has %d files", v->id, DISK_NAMES);
        struct name *name = &d->names.at[d->names.n++];
        snprintf(name->name, sizeof(name->name), "%s", base_name(path));
        name->inode = inode;
        remember_names(d);
    } else if (flags & O_TRUNC) {
        inode_free(&d->inodes[inode]);
    }
    return new_fd(v, inode, (flags & O_DSYNC) != 0);
}

static struct inode *inode_of(int fd, bool *ret_sync)
{
    struct disk *d = &server_of_fd(fd)->disk;
    int i = (fd - FD_BASE) % FD_STEP;
    if (i >= DISK_FDS || !d->fds[i].open)
        sim__fail(world, "a log uses a file that it has closed");
    if (ret_sync)
        *ret_sync = d->fds[i].sync;
    return &d->inodes[d->fds[i].inode];
}

static int disk_close(int fd)
{
    int i = (fd - FD_BASE) % FD_STEP;
    if (i < DISK_FDS)
        server_of_fd(fd)->disk.fds[i].open = false;
    return 0;
}

static off_t disk_size(int fd)
{
    return alive(server_of_fd(fd), NULL) ? (off_t)inode_of(fd, NULL)->size : -1;
}

static ssize_t disk_pread(int fd, void *data, size_t len, off_t offset)
{
    struct sim_server *v = server_of_fd(fd);
    const struct inode *f = inode_of(fd, NULL);
    if (!alive(v, NULL))
        return -1;
    if (world->now < v->disk.unreadable_until && sim__likely(world, 300)) {
        world->stats->read_errors++;
        v->disk.refused = true;
        errno = EIO;
        return -1;
    }
    size_t n = (size_t)offset < f->size ? MIN(len, f->size - (size_t)offset) : 0;
    if (n)
        memcpy(data, f->now + offset, n);
    return (ssize_t)n;
}

static ssize_t disk_pwrite(int fd, const void *data, size_t len, off_t offset)
{
    struct sim_server *v = server_of_fd(fd);
    bool sync, now, works = alive(v, &now), bad = write_fails(v);
    struct inode *f = inode_of(fd, &sync);
    size_t end = (size_t)offset + len;
    if (!works && !now)
        return -1;
    if (works && !bad && world->now < v->disk.full_until && end > f->size) {
        v->disk.refused = true;
        errno = ENOSPC;
        return -1;
    }
    v->disk.refused |= bad;
    grow(f, end);
    f->size = MAX(f->size, end);
    if (sync)
        f->durable_size = f->size;
    if (!works || bad) {
        tear(world, f, data, len, (size_t)offset, sync);
        errno = EIO;
        return -1;
    }
    put(f, data, len, (size_t)offset, sync);
    if (sync) {
        v->disk.last_written = (int)(f - v->disk.inodes);
        v->disk.last_offset = (size_t)offset;
    }
    return (ssize_t)len;
}

static int disk_fsync(int fd)
{
    struct sim_server *v = server_of_fd(fd);
    struct disk *d = &v->disk;
    bool directory = (fd - FD_BASE) % FD_STEP == FD_DIRECTORY;
    if (!alive(v, NULL))
        return -1;
    d->refused |= write_fails(v);
    if (directory && !write_fails(v)) {
        d->durable_names = d->names;
        d->n_between = 0;
    }
    struct inode *f = directory ? NULL : inode_of(fd, NULL);
    for (size_t page = 0; f && page < f->cap / DISK_PAGE; page++) {
        if (f->dirty[page] && (!write_fails(v) || sim__likely(world, 500)))
            write_back(f, page);
        f->dirty[page] = 0; /* a failed sync is not tried again: the pages count as clean */
    }
    if (f && !write_fails(v))
        f->durable_size = f->size;
    errno = EIO;
    return write_fails(v) ? -1 : 0;
}

static int disk_lock(int fd)
{
    return alive(server_of_fd(fd), NULL) ? 0 : -1;
}

static int disk_mkdir(const char *path, mode_t mode)
{
    struct sim_server *v = server_of_path(path);
    (void)mode;
    if (!alive(v, NULL))
        return -1;
    errno = EEXIST;
    return v->disk.made ? -1 : (v->disk.made = true, 0);
}

static int disk_rename(const char *from, const char *to)
{
    struct sim_server *v = server_of_path(from);
    struct names *names = &v->disk.names;
    if (!alive(v, NULL))
        return -1;
    remove_name(names, find_name(names, base_name(to)));
    int at = find_name(names, base_name(from));
    errno = ENOENT;
    if (at < 0)
        return -1;
    snprintf(names->at[at].name, sizeof(names->at[at].name), "%s", base_name(to));
    remember_names(&v->disk);
    return 0;
}

static int disk_unlink(const char *path)
{
    struct sim_server *v = server_of_path(path);
    if (!alive(v, NULL))
        return -1;
    int at = find_name(&v->disk.names, base_name(path));
    errno = ENOENT;
    if (at < 0)
        return -1;
    remove_name(&v->disk.names, at);
    remember_names(&v->disk);
    return 0;
}

static int disk_list(const char *directory, void (*found)(void *ctx, const char *name), void *ctx)
{
    struct sim_server *v = server_of_path(directory);
    if (!alive(v, NULL))
        return -1;
    for (int i = 0; i < v->disk.names.n; i++)
        found(ctx, v->disk.names.at[i].name);
    return 0;
}

const struct wal_io disk__io = {.open = disk_open,
                                .close = disk_close,
                                .size = disk_size,
                                .pread = disk_pread,
                                .pwrite = disk_pwrite,
                                .fsync = disk_fsync,
                                .lock = disk_lock,
                                .mkdir = disk_mkdir,
                                .rename = disk_rename,
                                .unlink = disk_unlink,
                                .list = disk_list};

/* ---- what happens to it --------------------------------------------------------------------- */

void disk__restart(struct sim *s, struct sim_server *v, bool power)
{
    struct disk *d = &v->disk;
    memset(d->fds, 0, sizeof(d->fds));
    d->dead = d->refused = false;
    d->dies_in = 0;
    if (!power)
        return;
    uint64_t done = sim__chance(s, (uint64_t)d->n_between + 1);
    d->names = done ? d->between[done - 1] : d->durable_names;
    d->durable_names = d->names;
    d->n_between = 0;
    for (int i = 0; i < DISK_INODES; i++)
        lose_pages(s, &d->inodes[i]);
}

/* A bit turns, somewhere before the last write: what lies behind that can't be told from a torn
 * tail. False: there is nothing to damage. */
bool disk__rot(struct sim *s, struct sim_server *v)
{
    struct disk *d = &v->disk;
    const struct name *name =
        d->names.n ? &d->names.at[sim__chance(s, (uint64_t)d->names.n)] : NULL;
    if (!name || !strstr(name->name, ".log"))
        return false;
    struct inode *f = &d->inodes[name->inode];
    size_t end = name->inode == d->last_written ? d->last_offset : f->size;
    if (!end || !f->durable)
        return false;
    size_t at = sim__chance(s, end);
    char bit = (char)(1 << sim__chance(s, 8));
    f->durable[at] ^= bit;
    f->now[at] ^= bit;
    STORY(s, "s%u: a bit turns in %s at %zu", v->id, name->name, at);
    return true;
}

void disk__wipe(struct disk *d)
{
    for (int i = 0; i < DISK_INODES; i++)
        inode_free(&d->inodes[i]);
    *d = (struct disk){0};
}
