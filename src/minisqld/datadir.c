/*
 * The data directory: DIR/minisqld.lock is locked while a server runs in it; DIR/minisql.json says
 * which format it has, whose it is and of which cluster. The parts keep their files in it: coord/
 * (embedded store), log and regions.
 */
#include "minisqld/minisqld.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMAT = 1 };

struct datadir {
    char *path, *name;
    int lock;
    uint64_t cluster; /* 0: none yet */
};

static struct error *unusable(int err, const char *path)
{
    return error_hint(error_errno(E_IO, err, "data directory \"%s\" cannot be used", path),
                      "Choose a directory that you may write to with --data DIR.");
}

/* mkdir -p */
static struct error *make_path(const char *path)
{
    _cleanup_(mem_freep) char *part = mem_strdup(path);
    for (char *p = part + 1;; p++) {
        if (*p && *p != '/')
            continue;
        char was = *p;
        *p = 0;
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return unusable(errno, path);
        *p = was;
        if (!was)
            break;
    }
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return unusable(ENOTDIR, path);
    return NULL;
}

static struct error *lock_directory(struct datadir *d)
{
    _cleanup_(mem_freep) char *file = mem_printf("%s/minisqld.lock", d->path);
    d->lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (d->lock < 0)
        return unusable(errno, d->path);
    if (flock(d->lock, LOCK_EX | LOCK_NB) != 0)
        return error_hint(
            error_new("55006", "data directory \"%s\" is in use by another minisqld", d->path),
            "Stop that one, or give this one its own directory with --data DIR.");
    return NULL;
}

static struct error *read_identity(struct datadir *d, json_t *root)
{
    json_int_t format = 0;
    const char *name = NULL, *cluster = NULL;
    if (json_unpack(root, "{s:I, s:s, s:s}", "format", &format, "name", &name, "cluster", &cluster))
        return error_hint(
            error_new(E_DAMAGED, "\"%s/minisql.json\" is damaged", d->path),
            "It should hold format, name and cluster. Put it back from a copy, or start "
            "with an empty directory: the other servers have the data.");
    if (format > FORMAT)
        return error_hint(error_new(E_UNSUPPORTED,
                                    "data directory \"%s\" was written by a newer version (format "
                                    "%lld, this one knows %d)",
                                    d->path, (long long)format, FORMAT),
                          "Start it with that version of minisqld.");
    d->name = mem_strdup(name);
    d->cluster = strtoull(cluster, NULL, 16);
    return NULL;
}

static struct error *load_identity(struct datadir *d)
{
    _cleanup_(mem_freep) char *file = mem_printf("%s/minisql.json", d->path);
    if (access(file, F_OK) != 0 && errno == ENOENT)
        return NULL;
    json_error_t why;
    json_t *root = json_load_file(file, 0, &why);
    if (!root && access(file, R_OK) != 0)
        return unusable(errno, d->path);
    struct error *e = read_identity(d, root);
    json_decref(root);
    return e;
}

/* Whole or not at all: written beside it, synced, renamed. */
static struct error *save_identity(const struct datadir *d)
{
    _cleanup_(mem_freep) char *file = mem_printf("%s/minisql.json", d->path);
    _cleanup_(mem_freep) char *aside = mem_printf("%s.new", file);
    _cleanup_(mem_freep) char *text =
        mem_printf("{\"format\": %d, \"name\": \"%s\", \"cluster\": \"%016" PRIx64 "\"}\n", FORMAT,
                   d->name, d->cluster);
    _cleanup_(fd_closep) int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t len = strlen(text);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len || fsync(fd) != 0 ||
        rename(aside, file) != 0)
        return unusable(errno, d->path);
    _cleanup_(fd_closep) int dir = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || fsync(dir) != 0)
        return unusable(errno, d->path);
    return NULL;
}

static char *default_name(const char *port)
{
    char host[64] = "server";
    gethostname(host, sizeof(host) - 1);
    host[strcspn(host, ".")] = 0;
    return mem_printf("%s-%s", host, port);
}

static struct error *choose_name(struct datadir *d, const char *name, const char *port)
{
    if (d->name && name && strcmp(d->name, name) != 0)
        return error_hint(
            error_new("55000", "data directory \"%s\" belongs to server \"%s\", not \"%s\"",
                      d->path, d->name, name),
            "Give the server its own directory with --data DIR, or leave --name out.");
    if (!d->name)
        d->name = name ? mem_strdup(name) : default_name(port);
    return NULL;
}

static struct error *open_all(struct datadir *d, const char *name, const char *port)
{
    TRY(make_path(d->path));
    TRY(lock_directory(d));
    TRY(load_identity(d));
    return choose_name(d, name, port);
}

struct error *datadir_open(const char *path, const char *name, const char *port,
                           struct datadir **ret)
{
    struct datadir *d = NEW(struct datadir);
    d->path = mem_strdup(path);
    d->lock = -1;
    struct error *e = open_all(d, name, port);
    if (e) {
        datadir_close(d);
        return e;
    }
    *ret = d;
    return NULL;
}

struct error *datadir_join(struct datadir *d, uint64_t cluster)
{
    if (d->cluster == cluster)
        return NULL;
    if (d->cluster)
        return error_hint(
            error_detail(
                error_new("55000", "data directory \"%s\" belongs to another cluster", d->path),
                "It is of cluster %016" PRIx64 "; the coordination store is that of %016" PRIx64
                ".",
                d->cluster, cluster),
            "Check --coord and --data. To let the server join this cluster with no data, "
            "give it an empty directory.");
    d->cluster = cluster;
    return save_identity(d);
}

const char *datadir_name(const struct datadir *d)
{
    return d->name;
}

void datadir_close(struct datadir *d)
{
    if (!d)
        return;
    fd_closep(&d->lock); /* and with it the lock */
    mem_free(d->path);
    mem_free(d->name);
    mem_free(d);
}
