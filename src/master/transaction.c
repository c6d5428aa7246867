/*
 * What the master does for transactions that change the schema (exec/draft.c says how they commit):
 * it admits their change, sees to it that an admitted one becomes records or nothing, and makes the
 * regions that new tables lie in until then.
 *
 * An admitted change is settled by whoever committed it, by the next schema change before it
 * begins, or, when nobody comes, by the master's round. A region that was made for a transaction is
 * dropped by its gateway when the transaction does not commit, or by the round when the gateway is
 * gone.
 */
#include "master/master_int.h"

#include <stdio.h>

enum { SETTLE_MS = 2000, ROUND_SETTLE_MS = 300, LEFT_ALONE_MS = 500 };

/* ---- settling ------------------------------------------------------------------------------ */

/* With `ddl` held. */
static struct error *settle_once(struct master *m, unsigned wait_ms, bool *ret_none)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct catalog_pending p;
    bool happened = true;
    TRY(catalog_pending(m->catalog, &a, &p));
    *ret_none = p.revision == 0;
    if (*ret_none)
        return NULL;
    if (p.region)
        TRY(m->io.applied(m->io.ctx, p.region, &p.request, wait_ms, &happened));
    TRY(catalog_settle(m->catalog, &p, happened));
    log_info("region=%llu: a transaction's change of the schema %s", (unsigned long long)p.region,
             happened ? "is recorded" : "did not happen");
    return NULL;
}

struct error *master__settle(struct master *m, unsigned wait_ms)
{
    bool none = false;
    for (int i = 0; i < 10 && !none; i++)
        TRY(settle_once(m, wait_ms, &none));
    return none ? NULL
                : error_hint(error_new(E_UNAVAILABLE, "a change of the schema is still pending"),
                             "Try again.");
}

struct error *master_settle(struct master *m)
{
    const struct catalog_view *v; /* to begin is to settle */
    TRY(master__begin(m, &v));
    master__end(m, v);
    return NULL;
}

struct error *master_prepare(struct master *m, const char *draft)
{
    const struct catalog_view *v;
    TRY(master__begin(m, &v));
    struct error *e = catalog_prepare(m->catalog, draft);
    master__end(m, v);
    return e;
}

/* ---- regions for transactions ---------------------------------------------------------------- */

static const struct region *region_of(const struct catalog_view *v, const char *owner)
{
    for (size_t i = 0; i < v->n_regions; i++)
        if (v->regions[i]->provisional && strcmp(v->regions[i]->provisional, owner) == 0)
            return v->regions[i];
    return NULL;
}

static struct error *new_region(struct master *m, const struct catalog_view *v, int copies,
                                const char *owner, uint64_t *ret)
{
    const struct region *there =
        m->one_region && v->n_regions ? v->regions[0] : region_of(v, owner);
    if (there) {
        *ret = there->id;
        return NULL;
    }
    struct region r = {.epoch = 1,
                       .schema_version = 1,
                       .copies = copies ? copies : m->copies,
                       .provisional = (char *)(uintptr_t)owner};
    if (r.copies > CATALOG_MAX_COPIES)
        r.copies = CATALOG_MAX_COPIES;
    TRY(master_place(v, &r));
    TRY(catalog_next_id(m->catalog, &r.id));
    TRY(catalog_create_region(m->catalog, &r));
    *ret = r.id;
    return NULL;
}

struct error *master_new_region(struct master *m, int copies, const char *owner, uint64_t *ret)
{
    const struct catalog_view *v;
    TRY(master__begin(m, &v));
    struct error *e = new_region(m, v, copies, owner, ret);
    master__end(m, v);
    return e;
}

struct error *master_drop_region(struct master *m, const char *owner)
{
    const struct catalog_view *v;
    TRY(master__begin(m, &v));
    const struct region *r = region_of(v, owner);
    struct error *e = r ? catalog_drop_region(m->catalog, r->id) : NULL;
    master__end(m, v);
    return e;
}

/* ---- drafts -------------------------------------------------------------------------------- */

struct master *master_of_draft(const struct master_options *o)
{
    struct master *m = NEW(struct master);
    m->name = mem_strdup(o->name);
    m->catalog = o->catalog;
    m->io = o->io;
    m->copies = o->copies;
    m->one_region = o->one_region;
    m->draft = true;
    pthread_mutex_init(&m->ddl, NULL);
    return m;
}

void master_of_draft_free(struct master *m)
{
    pthread_mutex_destroy(&m->ddl);
    mem_free(m->name);
    mem_free(m);
}

/* ---- the round ----------------------------------------------------------------------------- */

static bool is_live(const struct catalog_view *v, const char *owner)
{
    const char *colon = strrchr(owner, ':');
    _cleanup_(mem_freep) char *name = mem_strndup(owner, colon ? (size_t)(colon - owner) : 0);
    const struct server *s = catalog_server(v, name);
    return s && colon && s->incarnation == strtoull(colon + 1, NULL, 10);
}

static void drop_ownerless(struct master *m, const struct catalog_view *v)
{
    for (size_t i = 0; i < v->n_regions; i++) {
        const struct region *r = v->regions[i];
        if (!r->provisional || is_live(v, r->provisional))
            continue;
        struct error *e = master_drop_region(m, r->provisional);
        if (e)
            log_failure(LOG_INFO, e, "region=%llu: could not be dropped yet",
                        (unsigned long long)r->id);
        else
            log_info("region=%llu: dropped, its transaction is gone", (unsigned long long)r->id);
        error_free(e);
    }
}

bool master__tend_transactions(struct master *m, const struct catalog_view *v)
{
    bool provisional = false;
    if (v->changing != m->changing) {
        m->changing = v->changing;
        m->changing_since = clock_ms();
    }
    if (m->changing && clock_ms() - m->changing_since > LEFT_ALONE_MS &&
        pthread_mutex_trylock(&m->ddl) == 0) {
        struct error *e = master__settle(m, ROUND_SETTLE_MS);
        pthread_mutex_unlock(&m->ddl);
        if (e)
            log_debug("master: a pending change of the schema: %s", e->message);
        error_free(e);
    }
    for (size_t i = 0; i < v->n_regions && !provisional; i++)
        provisional = v->regions[i]->provisional != NULL;
    if (provisional && !m->changing)
        drop_ownerless(m, v);
    return m->changing || provisional;
}
