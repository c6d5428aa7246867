/*
 * Between the core's configs (numbers) and the catalog's region records (names): following what is
 * watched, proposing what the core wants, creating and dropping replicas.
 */
#include "region/region_int.h"

repl_node region__node(struct regions *rs, const char *name)
{
    for (uint32_t n = 0; n < rs->n_nodes; n++)
        if (strcmp(rs->nodes[n].name, name) == 0)
            return n;
    if (rs->n_nodes == REPL_MAX_NODES) {
        log_error("server=%s: a cluster has at most %d servers", name, REPL_MAX_NODES);
        return REPL_MAX_NODES;
    }
    rs->nodes[rs->n_nodes].name = mem_strdup(name);
    return rs->n_nodes++;
}

/* ---- following --------------------------------------------------------------------------------
 */

static void add_nodes(struct regions *rs, char *const *names, int n, repl_node *ret, uint32_t max,
                      uint32_t *ret_n)
{
    for (int i = 0; i < n && *ret_n < max; i++) {
        repl_node node = region__node(rs, names[i]);
        if (node < REPL_MAX_NODES)
            ret[(*ret_n)++] = node;
    }
}

/* core_mutex held; false: a record that no core can follow. */
static bool to_core(struct regions *rs, const struct region *r, struct repl_config *ret)
{
    *ret = (struct repl_config){.epoch = r->epoch, .primary = region__node(rs, r->primary)};
    add_nodes(rs, r->backups, r->n_backups, ret->backups, REPL_MAX_COPIES, &ret->n_backups);
    add_nodes(rs, r->learners, r->n_learners, ret->learners, REPL_MAX_LEARNERS, &ret->n_learners);
    return ret->primary < REPL_MAX_NODES && (int)ret->n_backups == r->n_backups;
}

static bool listed(char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool is_member(const struct region *r, const char *name)
{
    return strcmp(r->primary, name) == 0 || listed(r->backups, r->n_backups, name) ||
           listed(r->learners, r->n_learners, name);
}

static void follow_record(struct regions *rs, const struct region *r)
{
    struct region_replica *p = region__get(rs, r->id);
    if (!p && is_member(r, rs->name)) {
        p = region__create(rs, r);
        rs->follow_all |= p == NULL;
    }
    if (!p)
        return;
    if (p->config_revision != r->revision) {
        p->config_revision = r->revision;
        struct repl_config config;
        region__lock(rs);
        if (!p->gone && to_core(rs, r, &config))
            repl_config_changed(rs->core, clock_ms(), p->core, &config);
        region__unlock(rs);
    }
    if (r->schema_version > atomic_load(&p->file_schema))
        region__want_work(p);
    region__put(p);
}

/* Is the record lost, rather than deleted with the region's last table? Then there are tables
 * still; or the store never knew the region: it was set back to a state before that. */
static bool is_lost(const struct catalog_view *view, const struct region_replica *p)
{
    if (p->told_lost || p->id >= view->next_id)
        return true;
    for (size_t i = 0; i < view->n_tables; i++)
        if (view->tables[i]->region == p->id)
            return true;
    return false;
}

/* Looked at again with every view. */
static void keep_lost(struct region_replica *p)
{
    p->rs->follow_all = true;
    if (!p->told_lost)
        log_error("region=%llu: the store has lost its record; this copy is kept: run minisql fsck",
                  (unsigned long long)p->id);
    p->told_lost = true;
}

/* A replica of a region that exists no more, or that is whole without us. */
static void drop_orphan(struct regions *rs, const struct catalog_view *view,
                        struct region_replica *p, const struct region *r)
{
    region__lock(rs);
    bool counted_on = r && !p->gone && !repl_may_drop(p->core);
    region__unlock(rs);
    p->told_lost = p->told_lost && !r;
    if (!r && is_lost(view, p)) {
        keep_lost(p);
        return;
    }
    if (r && (is_member(r, rs->name) || r->n_backups + 1 < r->copies))
        return;
    if (counted_on) {
        log_debug("region=%llu: still in use", (unsigned long long)p->id);
        rs->follow_all = true;
    } else {
        region__drop(p, r ? "the region has its copies elsewhere" : "the region was dropped");
    }
}

static void follow_region(struct regions *rs, const struct catalog_view *view, uint64_t id,
                          const struct region *r, bool may_drop)
{
    if (r)
        follow_record(rs, r);
    struct region_replica *p = region__get(rs, id);
    if (p && may_drop)
        drop_orphan(rs, view, p, r);
    region__put(p);
}

/* Only what changed between the two views, which share the records of what did not. */
static void follow_changes(struct regions *rs, const struct catalog_view *old,
                           const struct catalog_view *view, bool may_drop)
{
    size_t i = 0, k = 0;
    while (i < old->n_regions || k < view->n_regions) {
        const struct region *was = i < old->n_regions ? old->regions[i] : NULL;
        const struct region *is = k < view->n_regions ? view->regions[k] : NULL;
        bool gone = was && (!is || was->id < is->id), fresh = is && (!was || is->id < was->id);
        if (gone)
            follow_region(rs, view, was->id, NULL, may_drop);
        else if (was != is)
            follow_region(rs, view, is->id, is, may_drop);
        i += !fresh;
        k += !gone;
    }
}

static void follow_all(struct regions *rs, const struct catalog_view *view, bool may_drop)
{
    for (size_t i = 0; i < view->n_regions; i++)
        follow_region(rs, view, view->regions[i]->id, view->regions[i], may_drop);
    size_t n;
    struct region_replica **all = region__all(rs, &n);
    for (size_t i = 0; i < n; i++) {
        if (may_drop && !catalog_region(view, all[i]->id))
            drop_orphan(rs, view, all[i], NULL);
        region__put(all[i]);
    }
    mem_free(all);
}

/* The store was set back to an older state. */
static void keep_what_it_lacks(struct regions *rs, const struct catalog_view *view)
{
    size_t n;
    struct region_replica **all = region__all(rs, &n);
    for (size_t i = 0; i < n; i++) {
        if (!catalog_region(view, all[i]->id))
            keep_lost(all[i]);
        region__put(all[i]);
    }
    mem_free(all);
}

void region__follow(struct regions *rs)
{
    pthread_mutex_lock(&rs->syncing);
    const struct catalog_view *view = catalog_view(rs->catalog), *old = rs->followed;
    bool may_drop = view->cluster == rs->cluster && !view->incomplete;
    bool all = !old || rs->follow_all;
    rs->follow_all = !may_drop;
    if (old && view->revision < old->revision) { /* what it lacks now is lost, not dropped */
        keep_what_it_lacks(rs, view);
        all = true;
    }
    if (all)
        follow_all(rs, view, may_drop);
    else
        follow_changes(rs, old, view, may_drop);
    rs->followed = view;
    if (old)
        catalog_unref(old);
    pthread_mutex_unlock(&rs->syncing);
}

void *region__syncer(void *arg)
{
    struct regions *rs = arg;
    for (;;) {
        pthread_mutex_lock(&rs->sync_mutex);
        while (!rs->sync_wanted && !atomic_load(&rs->stopping))
            pthread_cond_wait(&rs->sync_cond, &rs->sync_mutex);
        rs->sync_wanted = false;
        pthread_mutex_unlock(&rs->sync_mutex);
        if (atomic_load(&rs->stopping))
            return NULL;
        region__follow(rs);
    }
}

/* ---- proposing --------------------------------------------------------------------------------
 */

static void set_names(struct regions *rs, struct arena *a, const repl_node *nodes, uint32_t n,
                      char **names, int *ret_n)
{
    for (uint32_t i = 0; i < n; i++)
        names[i] = arena_strdup(a, rs->nodes[nodes[i]].name);
    *ret_n = (int)n;
}

static void remember_former(struct region *next, char *const *names, int n, struct arena *a)
{
    for (int i = 0; i < n; i++)
        if (!is_member(next, names[i]) && !listed(next->former, next->n_former, names[i]) &&
            next->n_former < CATALOG_MAX_COPIES)
            next->former[next->n_former++] = arena_strdup(a, names[i]);
}

/* A move ends when who was to leave has left, or when there is no copy that it could leave to. */
static char *still_leaving(const struct region *next, const char *name, struct arena *a)
{
    bool surplus = 1 + next->n_backups + next->n_learners > next->copies;
    return name && surplus && is_member(next, name) ? arena_strdup(a, name) : NULL;
}

/* The record that says what the core proposes. Learners that leave were never whole: they are no
 * former holders. */
static struct region *to_record(struct regions *rs, const struct region *old,
                                const struct proposal *proposal, struct arena *a)
{
    const struct repl_config *c = &proposal->next_config;
    struct region *next = region_copy(old, a);
    region__lock(rs);
    next->epoch = c->epoch;
    next->primary = arena_strdup(a, rs->nodes[c->primary].name);
    set_names(rs, a, c->backups, c->n_backups, next->backups, &next->n_backups);
    set_names(rs, a, c->learners, c->n_learners, next->learners, &next->n_learners);
    region__unlock(rs);
    next->leaving = still_leaving(next, proposal->leaving ? proposal->leaving : old->leaving, a);
    next->n_former = 0;
    char *primary = old->primary;
    remember_former(next, &primary, 1, a);
    remember_former(next, old->backups, old->n_backups, a);
    remember_former(next, old->former, old->n_former, a);
    return next;
}

/* The swaps that the proposals come to; those that the view shows to be too late are left out. */
static size_t to_swaps(struct regions *rs, const struct catalog_view *view,
                       struct proposal *proposals, struct arena *a, struct region_swap *ret)
{
    size_t n = 0;
    for (struct proposal *p = proposals; p; p = p->next) {
        const struct region *old = catalog_region(view, p->replica->id);
        bool twice = false;
        for (size_t i = 0; i < n; i++)
            twice |= ret[i].expected == old;
        p->swap = NULL;
        if (!old || twice || old->epoch + 1 != p->next_config.epoch)
            continue;
        p->swap = &ret[n++];
        *p->swap = (struct region_swap){.expected = old, .next = to_record(rs, old, p, a)};
    }
    return n;
}

static void report_failure(struct regions *rs, const struct proposal *proposal)
{
    struct region_replica *p = proposal->replica;
    struct error *e = proposal->swap ? proposal->swap->error : NULL;
    if (e)
        log_failure(LOG_WARN, e, "region=%llu epoch=%llu: config not changed",
                    (unsigned long long)p->id, (unsigned long long)proposal->next_config.epoch);
    region__lock(rs);
    if (!p->gone)
        repl_proposal_failed(rs->core, clock_ms(), p->core, proposal->next_config.epoch, e != NULL);
    region__unlock(rs);
    error_free(e);
}

static void propose(struct regions *rs, struct proposal *proposals)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct region_swap swaps[CATALOG_SWAPS];
    const struct catalog_view *view = catalog_view(rs->catalog);
    catalog_swap_regions(rs->catalog, swaps, to_swaps(rs, view, proposals, &a, swaps));
    catalog_unref(view);
    region__follow(rs); /* whoever won: the core learns it before the answer */
    for (const struct proposal *p = proposals; p; p = p->next)
        if (!p->swap || !p->swap->swapped)
            report_failure(rs, p);
}

/* Waits for proposals and takes those that there are, as many as go into one transaction. */
static struct proposal *take_proposals(struct regions *rs)
{
    pthread_mutex_lock(&rs->proposal_mutex);
    while (!rs->proposals && !atomic_load(&rs->stopping))
        pthread_cond_wait(&rs->proposal_cond, &rs->proposal_mutex);
    struct proposal *first = rs->proposals, **end = &rs->proposals;
    for (int n = 0; *end && n < CATALOG_SWAPS; n++)
        end = &(*end)->next;
    rs->proposals = *end;
    if (first)
        *end = NULL;
    if (!rs->proposals)
        rs->proposals_tail = &rs->proposals;
    pthread_mutex_unlock(&rs->proposal_mutex);
    return first;
}

void *region__proposer(void *arg)
{
    struct regions *rs = arg;
    for (struct proposal *list; (list = take_proposals(rs));) {
        if (!atomic_load(&rs->stopping))
            propose(rs, list);
        for (struct proposal *next; list; list = next) {
            next = list->next;
            region__put(list->replica);
            mem_free(list->leaving);
            mem_free(list);
        }
    }
    return NULL;
}

/* ---- what a master or an operator asks
 * -------------------------------------------------------------------------
 */

struct error *region_change(struct regions *rs, uint64_t region, enum repl_change what,
                            const char *server)
{
    struct region_replica *p = NULL;
    TRY(region__find(rs, region, &p));
    region__lock(rs);
    repl_node node = region__node(rs, server);
    struct error *e = NULL;
    if (node >= REPL_MAX_NODES || p->gone || !p->serving)
        e = region__not_primary(p);
    else if (what != REPL_TRANSFER)
        e = repl_change(rs->core, clock_ms(), p->core, what, node);
    region__unlock(rs);
    if (!e && what == REPL_TRANSFER)
        region__transfer(p, node, false);
    region__put(p);
    return e;
}

struct error *region_move(struct regions *rs, uint64_t region, const char *from, const char *to)
{
    struct region_replica *p = NULL;
    TRY(region__find(rs, region, &p));
    region__lock(rs);
    repl_node node = region__node(rs, to);
    struct repl_status status;
    struct error *e = NULL;
    if (node >= REPL_MAX_NODES || p->gone) {
        e = region__not_primary(p);
    } else {
        mem_free(p->leaving);
        p->leaving = mem_strdup(from);
        repl_get_status(rs->core, p->core, &status);
        p->leaving_epoch = status.config.epoch + 1;
        e = repl_change(rs->core, clock_ms(), p->core, REPL_ADD_LEARNER, node);
    }
    region__unlock(rs);
    region__put(p);
    return e;
}
