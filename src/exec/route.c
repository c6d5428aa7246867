/*
 * Where a region is served now, and waiting for it to be served at all.
 *
 * The catalog tells the primary; it may be behind, or ahead of a primary that recovers still. So
 * errors of the kind "not here, not now" are answered by looking again: at once when the catalog
 * has changed meanwhile, else after a pause that grows to 100 ms, with a refresh from the store now
 * and then. A take-over lasts about a second.
 */
#include "exec/exec_int.h"

enum { PAUSE_FIRST_MS = 2, PAUSE_MOST_MS = 100, SLICE_MS = 10 };

struct error *exec__place(struct exec *e, uint64_t region, struct place *ret)
{
    const struct catalog_view *v = catalog_view(e->catalog);
    const struct region *r = catalog_region(v, region);
    struct error *err = NULL;
    if (!r) {
        err = error_new(E_STALE_SCHEMA, "region %llu does not exist", (unsigned long long)region);
    } else if (!r->primary) {
        err =
            error_new(E_NOT_PRIMARY, "region %llu has no primary now", (unsigned long long)region);
    } else {
        size_t n = MIN(strlen(r->primary), (size_t)CATALOG_NAME_MAX);
        ret->here = e->regions && strcmp(r->primary, e->name) == 0;
        memcpy(ret->server, r->primary, n);
        ret->server[n] = 0;
    }
    catalog_unref(v);
    return err;
}

bool exec__is_retryable(const struct error *e)
{
    return error_is(e, E_NOT_PRIMARY) || error_is(e, E_CONNECTION) || error_is(e, E_SHUTDOWN) ||
           error_is(e, E_UNAVAILABLE);
}

/* Who the region is waiting for, in words. */
static void describe(struct exec *e, uint64_t region, struct error *told)
{
    const struct catalog_view *v = catalog_view(e->catalog);
    const struct region *r = catalog_region(v, region);
    const char *table = "";
    for (size_t i = 0; i < v->n_tables && !*table; i++)
        if (v->tables[i]->region == region)
            table = v->tables[i]->name;
    _cleanup_(buf_done) struct buf missing = {0};
    const char *holders[CATALOG_MAX_COPIES + 1] = {0};
    int n = 0;
    if (r && r->primary)
        holders[n++] = r->primary;
    for (int i = 0; r && i < r->n_backups; i++)
        holders[n++] = r->backups[i];
    for (int i = 0; i < n; i++)
        if (!catalog_server(v, holders[i]))
            buf_printf(&missing, "%s%s", missing.len > 0 ? ", " : "", holders[i]);
    if (missing.len > 0)
        error_hint(told, "Table \"%s\" (region %llu) lies on %s, which is not running: start it.",
                   table, (unsigned long long)region, missing.data);
    else if (!catalog_connected(e->catalog))
        error_hint(told,
                   "The coordination store does not answer: no other copy of table \"%s\" "
                   "(region %llu) can take over until it does.",
                   table, (unsigned long long)region);
    else
        error_hint(told,
                   "Table \"%s\" (region %llu) has no serving primary yet: try again, or see "
                   "minisql_regions.",
                   table, (unsigned long long)region);
    catalog_unref(v);
}

static struct error *give_up(struct exec *e, uint64_t region, struct error *cause)
{
    if (region) {
        struct error *told =
            error_new(E_UNAVAILABLE, "region %llu cannot be reached", (unsigned long long)region);
        describe(e, region, told);
        error_detail(told, "%s", cause->message);
        error_free(cause);
        return told;
    }
    if (!catalog_connected(e->catalog)) {
        struct error *told = error_new(E_UNAVAILABLE, "the coordination store cannot be reached");
        error_detail(told, "%s", cause->message);
        error_hint(told, "Schema changes wait for it; tables that exist can be read and written.");
        error_free(cause);
        return told;
    }
    if (error_is(cause, E_UNAVAILABLE))
        return cause;
    struct error *told = error_new(E_UNAVAILABLE, "the data cannot be reached");
    error_detail(told, "%s", cause->message);
    error_free(cause);
    return told;
}

/* A region whose only copy lies here and stands still (a full disk): waiting does not help. NULL:
 * not so. */
static struct error *hopeless(struct exec *e, uint64_t region)
{
    if (!region || !e->regions)
        return NULL;
    const struct catalog_view *v = catalog_view(e->catalog);
    const struct region *r = catalog_region(v, region);
    bool alone = r && r->primary && strcmp(r->primary, e->name) == 0 && r->n_backups == 0;
    catalog_unref(v);
    struct region_status status = {0};
    if (!alone || !region_get_status(e->regions, region, &status) || !status.error[0])
        return NULL;
    bool full = strstr(status.error, "No space") || strstr(status.error, "full");
    struct error *told = error_new(full ? E_DISK_FULL : E_IO, "region %llu stands still: %s",
                                   (unsigned long long)region, status.error);
    return error_hint(told, full ? "Make room on the disk: the server goes on by itself then."
                                 : "Put the disk right: the server goes on by itself then.");
}

struct error *exec__wait_retry(struct exec_session *s, uint64_t region, uint64_t deadline,
                               unsigned *tries, struct error *e)
{
    struct exec *x = s->exec;
    const struct catalog_view *v = catalog_view(x->catalog);
    uint64_t pause = PAUSE_FIRST_MS;
    for (unsigned i = 0; i < *tries && pause < PAUSE_MOST_MS; i++)
        pause *= 2;
    uint64_t until = clock_ms() + MIN(pause, (uint64_t)PAUSE_MOST_MS);
    while (clock_ms() < until && catalog_is_current(x->catalog, v) && !atomic_load(&s->cancel))
        sleep_ms((unsigned)MIN(pause, (uint64_t)SLICE_MS));
    bool news = !catalog_is_current(x->catalog, v);
    catalog_unref(v);
    if (!news && ++*tries % 8 == 0)
        error_free(catalog_refresh(x->catalog, 200));
    if (atomic_load(&s->cancel)) {
        error_free(e);
        return exec__canceled();
    }
    struct error *stop = hopeless(x, region);
    if (stop) {
        error_free(e);
        return stop;
    }
    if (clock_ms() >= deadline)
        return give_up(x, region, e);
    error_free(e);
    return NULL;
}
