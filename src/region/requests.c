/*
 * What is kept of requests: minisql_requests has the last one of each slot of each gateway, so that
 * a retry is answered, and not applied again. A gateway that starts anew has another id, so old
 * ones would pile up for ever.
 *
 * Who retries does so for seconds (retry_ms). So the primary looks which requests there are, and
 * those that are still there, the last of their slots, after OLD_ROUNDS of upkeep are folded: a row
 * with slot -1 takes their place, one for each gateway, with the highest number among them. A
 * request of that gateway up to this number that is not known is refused, not applied
 * (store_find_request): should it come after all, from a process that was stopped for hours in the
 * midst of sending it, nothing happens twice. Numbers of a gateway rise over all of its slots, so
 * what it does anew is above. Rounds count this process' own running time: what has waited in its
 * sockets while it was stopped is served before they go on.
 *
 * Not folded is what a pending change of the schema may be decided by.
 */
#include "region/region_int.h"

enum {
    LOOK_EVERY = 120, /* rounds, of half a second */
    MOST = 20000,     /* at once */
};

unsigned region__old_rounds = 7200; /* an hour */
size_t region__many_requests = 128; /* fewer are no trouble */

static struct error *look(struct region_replica *p)
{
    struct store_conn *c;
    TRY(store_get_reader(p->store, &c));
    struct error *e = store_requests(c, MOST, &p->old_requests, &p->n_old_requests);
    store_put_reader(p->store, c);
    return e;
}

static void forget(struct region_replica *p)
{
    mem_free(p->old_requests);
    p->old_requests = NULL;
    p->n_old_requests = 0;
}

/* Does every schema change that was decided stand in the catalog? */
static bool all_settled(struct regions *rs)
{
    const struct catalog_view *v = catalog_view(rs->catalog);
    bool settled = catalog_connected(rs->catalog) && !v->changing;
    catalog_unref(v);
    return settled;
}

static struct error *fold(struct region_replica *p)
{
    _cleanup_(buf_done) struct buf sql = {0};
    store_fold_requests(p->old_requests, p->n_old_requests, &sql);
    return region__run_ddl(p, sql.data, atomic_load(&p->file_schema));
}

/* By upkeep, of a replica whose file is open. */
void region__fold_requests(struct region_replica *p, unsigned round)
{
    if (!atomic_load(&p->ready)) {
        forget(p);
        return;
    }
    struct error *e = NULL;
    unsigned every = MIN((unsigned)LOOK_EVERY, region__old_rounds);
    if (!p->old_requests && round % every == p->id % every) {
        if (region__enter_store(p)) {
            e = look(p);
            region__leave_store(p);
        }
        p->old_round = round;
        if (p->n_old_requests < region__many_requests)
            forget(p);
    } else if (p->old_requests && round - p->old_round >= region__old_rounds &&
               all_settled(p->rs) && region__try_own(p)) {
        if (atomic_load(&p->ready))
            e = fold(p);
        region__disown(p);
        forget(p);
    }
    if (e)
        log_failure(LOG_INFO, e, "region=%llu: old requests are kept", (unsigned long long)p->id);
    error_free(e);
}
