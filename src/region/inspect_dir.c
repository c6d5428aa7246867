/*
 * What a stopped server's data directory holds: the log's entries and the files of each region,
 * described as a running server would (inspect.c). Nothing is changed, so that a look at what is
 * left after a disaster costs nothing.
 */
#include "region/region_int.h"

#include <jansson.h>
#include <unistd.h>

struct logged {
    uint64_t region, first, last, epoch;
};

struct directory {
    const char *dir;
    bool deep;
    region_emit_fn *emit;
    void *ctx;
    struct map logged; /* region -> struct logged */
    struct map files;  /* region -> anything */
};

static void found_in_log(void *ctx, uint64_t region, uint64_t first, uint64_t last, uint64_t epoch)
{
    struct directory *d = ctx;
    struct logged *l = NEW(struct logged);
    *l = (struct logged){region, first, last, epoch};
    map_put_u64(&d->logged, region, l);
}

static void found_file(void *ctx, uint64_t region)
{
    struct directory *d = ctx;
    map_put_u64(&d->files, region, (void *)(uintptr_t)region);
}

static json_t *file_json(const struct directory *d, uint64_t region)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct store_contents contents;
    struct error *e = store_inspect(d->dir, region, d->deep, &a, &contents);
    if (!e)
        return region__contents_json(&contents);
    json_t *object = json_pack("{s:I, s:s}", "region", (json_int_t)region, "error", e->message);
    error_free(e);
    return object;
}

static struct error *emit_region(const struct directory *d, uint64_t region)
{
    bool file = map_get_u64(&d->files, region) != NULL;
    json_t *object = file ? file_json(d, region) : json_pack("{s:I}", "region", (json_int_t)region);
    const struct logged *l = map_get_u64(&d->logged, region);
    if (l) {
        json_object_set_new(object, "log_first", json_integer((json_int_t)l->first));
        json_object_set_new(object, "log_last", json_integer((json_int_t)l->last));
        json_object_set_new(object, "log_epoch", json_integer((json_int_t)l->epoch));
    }
    region__put_file_facts(object, d->dir, region);
    return region__emit_json(object, d->emit, d->ctx);
}

static struct error *read_log(struct directory *d)
{
    _cleanup_(mem_freep) char *log = mem_printf("%s/log", d->dir);
    struct error *damage = NULL;
    if (access(log, F_OK) != 0)
        return NULL; /* it never got that far */
    TRY(wal_inspect(log, found_in_log, d, &damage));
    if (!damage)
        return NULL;
    _cleanup_(mem_freep) char *text =
        mem_printf("%s%s%s", damage->message, damage->detail ? ". " : "",
                   damage->detail ? damage->detail : "");
    error_free(damage);
    return region__emit_json(json_pack("{s:s}", "log_damage", text), d->emit, d->ctx);
}

static struct error *emit_all(struct directory *d)
{
    TRY(read_log(d));
    TRY(store_list(d->dir, found_file, d));
    void *value;
    for (size_t i = 0; map_next(&d->files, &i, &value);)
        TRY(emit_region(d, (uint64_t)(uintptr_t)value));
    for (size_t i = 0; map_next(&d->logged, &i, &value);) {
        uint64_t region = ((struct logged *)value)->region;
        if (!map_get_u64(&d->files, region))
            TRY(emit_region(d, region));
    }
    return NULL;
}

struct error *region_inspect_directory(const char *dir, bool deep, region_emit_fn *emit, void *ctx)
{
    struct directory d = {.dir = dir, .deep = deep, .emit = emit, .ctx = ctx};
    struct error *e = emit_all(&d);
    void *value;
    for (size_t i = 0; map_next(&d.logged, &i, &value);)
        mem_free(value);
    map_done(&d.logged);
    map_done(&d.files);
    return e;
}
