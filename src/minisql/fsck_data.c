/*
 * Data directories of stopped servers: what is in them, and what is wrong with it. Nothing is
 * changed.
 */
#include "minisql/fsck_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

/* A running server holds a lock on its directory. */
static struct error *check_stopped(const char *dir)
{
    _cleanup_(mem_freep) char *path = mem_printf("%s/minisqld.lock", dir);
    _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0)
        return error_hint(error_new("55006", "a server is running in \"%s\"", dir),
                          "Stop it first; or leave --data out to check the running cluster.");
    return NULL;
}

static struct error *read_identity(struct fsck *c, const char *dir, const char **ret_name,
                                   uint64_t *ret_cluster)
{
    _cleanup_(mem_freep) char *path = mem_printf("%s/minisql.json", dir);
    json_t *o = json_load_file(path, 0, NULL);
    *ret_name = arena_strdup(&c->arena, json_text(o, "name"));
    *ret_cluster = strtoull(json_text(o, "cluster"), NULL, 16);
    json_decref(o);
    if (**ret_name && *ret_cluster)
        return NULL;
    return error_hint(error_new(E_DAMAGED, "\"%s\" is no data directory of a MiniSQL server", dir),
                      "There is no readable minisql.json in it that names a server and a cluster.");
}

struct reading {
    struct fsck *c;
    struct holder *h;
};

static struct error *take_object(void *ctx, const char *json, size_t len)
{
    struct reading *r = ctx;
    json_t *o = json_loadb(json, len, 0, NULL);
    char key[24];
    snprintf(key, sizeof(key), "%llu", (unsigned long long)json_number(o, "region"));
    if (json_object_get(o, "log_damage"))
        r->h->log_damage = arena_strdup(&r->c->arena, json_text(o, "log_damage"));
    else
        json_object_set(r->h->copies, key, o);
    json_decref(o);
    return NULL;
}

static void take_record(void *ctx, const char *key, uint64_t revision, const char *value)
{
    json_t *row = json_array();
    json_array_append_new(row, json_string(key));
    json_array_append_new(row, json_integer((json_int_t)revision));
    json_array_append_new(row, json_string(value));
    json_array_append_new(ctx, row);
}

static struct error *read_catalog(struct holder *h, const char *dir)
{
    _cleanup_(mem_freep) char *path = mem_printf("%s/" CATALOG_COPY_FILE, dir);
    if (access(path, F_OK) != 0)
        return NULL;
    json_t *records = json_array();
    uint64_t era, revision;
    struct error *e = catalog_read_copy(path, &era, &revision, take_record, records);
    h->catalog = json_pack("{s:I, s:I, s:o}", "era", (json_int_t)era, "revision",
                           (json_int_t)revision, "records", records);
    return e;
}

struct error *data_read(struct fsck *c, const char *dir, bool deep, struct holder **ret,
                        uint64_t *ret_cluster)
{
    const char *name;
    TRY(check_stopped(dir));
    TRY(read_identity(c, dir, &name, ret_cluster));
    struct holder *h = fsck_add_holder(c, name, dir);
    h->copies = json_object();
    struct reading r = {c, h};
    TRY(region_inspect_directory(dir, deep, take_object, &r));
    TRY(read_catalog(h, dir));
    *ret = h;
    return NULL;
}

/* ---- what is wrong -------------------------------------------------------------------------- */

static struct finding *add(struct fsck *c, enum severity severity, const char *code,
                           uint64_t region, const struct holder *h, const char *text)
{
    struct finding *f = fsck_add(c, severity, code, "%s", text);
    f->region = region;
    f->server = h->name;
    return f;
}

static const char rebuilt[] = "The server makes this copy anew from another one, if there is any.";

static void check_copy(struct fsck *c, const struct holder *h, const json_t *copy)
{
    uint64_t id = json_number(copy, "region");
    c->n_copies++;
    if (!json_flag(copy, "file"))
        add(c, SEVERITY_ERROR, "log-without-file", id, h,
            "the log has entries of a region without a file")
            ->advice = rebuilt;
    else if (*json_text(copy, "error"))
        add(c, SEVERITY_ERROR, "copy-unreadable", id, h,
            arena_printf(&c->arena, "the file can't be read: %s", json_text(copy, "error")))
            ->advice = rebuilt;
    else if (json_number(copy, "log_first") > json_number(copy, "lsn") + 1)
        add(c, SEVERITY_ERROR, "log-gap", id, h, "the log begins behind where the file ends")
            ->advice = rebuilt;
    if (json_flag(copy, "rebuild"))
        add(c, SEVERITY_NOTE, "copy-in-making", id, h,
            "the copy is damaged and waits to be made anew");
    else
        fsck_damage(c, h->name, id, copy);
}

/* The store of a single server. */
static void check_coord(struct fsck *c, const struct holder *h)
{
    _cleanup_(mem_freep) char *path = mem_printf("%s/coord/coord.db", h->where);
    if (access(path, F_OK) != 0)
        return;
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "unix-excl");
    if (!rc) {
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        rc = sqlite3_prepare_v2(db, "PRAGMA integrity_check(3)", -1, &stmt, NULL);
    }
    bool ok = !rc && sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0) &&
              strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
    if (!ok)
        add(c, SEVERITY_ERROR, "store-damaged", 0, h,
            "the embedded coordination store (coord/coord.db) is damaged")
            ->advice = "Set coord/ aside, then: minisql recover store --coord embedded --data DIR";
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

/* Copies in different directories, where they are at the same lsn. */
static void compare(struct fsck *c, const char *key)
{
    const struct holder *first = NULL;
    const json_t *a = NULL;
    for (size_t i = 0; i < c->n_holders; i++) {
        const json_t *b = json_object_get(c->holders[i].copies, key);
        if (!json_object_get(b, "tables") || json_flag(b, "rebuild") ||
            json_array_size(json_object_get(b, "damage")) > 0)
            continue;
        if (a && json_number(a, "lsn") == json_number(b, "lsn"))
            fsck_compare(c, strtoull(key, NULL, 10), first->name, a, c->holders[i].name, b);
        if (!a) {
            a = b;
            first = &c->holders[i];
        }
    }
}

void fsck_data(struct fsck *c)
{
    json_t *regions = json_object();
    const char *key;
    json_t *copy;
    for (size_t i = 0; i < c->n_holders; i++) {
        const struct holder *h = &c->holders[i];
        if (h->log_damage)
            add(c, SEVERITY_ERROR, "log-damaged", 0, h, h->log_damage)->advice =
                "The server makes the copies that it can't trust anew from others.";
        check_coord(c, h);
        json_object_foreach(h->copies, key, copy)
        {
            check_copy(c, h, copy);
            json_object_set_new(regions, key, json_true());
        }
    }
    json_object_foreach(regions, key, copy) compare(c, key);
    c->n_regions = json_object_size(regions);
    json_decref(regions);
}
