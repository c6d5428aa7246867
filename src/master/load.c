/*
 * How loaded each server is, and how each region stands, worked out from a view.
 *
 * The loads look ahead: a copy in the making counts where it will be, and a region with more
 * members than it wants already has its surplus taken from the most loaded of its holders, or from
 * the one that is to leave. So that what is under way is not decided a second time, and each
 * decision starts from where the earlier ones lead.
 */
#include "master/master_int.h"

struct load *master__load(const struct picture *p, const char *server)
{
    size_t low = 0, high = p->n_loads;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(p->loads[middle].server->name, server);
        if (order == 0)
            return &p->loads[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool listed(char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

bool master__is_member(const struct region *r, const char *server)
{
    return strcmp(r->primary, server) == 0 || listed(r->backups, r->n_backups, server) ||
           listed(r->learners, r->n_learners, server);
}

bool master__less_loaded(const struct load *a, const struct load *b)
{
    if (a->avoided != b->avoided)
        return b->avoided;
    if (a->tables != b->tables)
        return a->tables < b->tables;
    if (a->server->bytes != b->server->bytes)
        return a->server->bytes < b->server->bytes;
    return strcmp(a->server->name, b->server->name) < 0;
}

static void count_member(struct load *l, int64_t tables)
{
    if (l)
        l->tables += tables;
}

static void count_region(struct picture *p, struct standing *s)
{
    const struct region *r = s->r;
    s->primary = master__load(p, r->primary);
    s->voters = 1 + r->n_backups;
    s->members = s->voters + r->n_learners;
    count_member(s->primary, s->tables);
    if (s->primary) {
        s->primary->primaries++;
        s->primary->feeding += r->n_learners;
    }
    for (int i = 0; i < r->n_backups; i++)
        count_member(master__load(p, r->backups[i]), s->tables);
    for (int i = 0; i < r->n_learners; i++) {
        struct load *l = master__load(p, r->learners[i]);
        count_member(l, s->tables);
        if (l)
            l->arriving++;
    }
}

/* Is `a` a better one to lose a surplus copy than `b`? NULL: dead, the best. */
static bool better_victim(const struct load *a, const struct load *b)
{
    if (!a || !b)
        return !a && b;
    return master__less_loaded(b, a);
}

/* Of the members that are not victims yet, the one to lose its copy. */
static const char *next_victim(const struct picture *p, const struct standing *s)
{
    const struct region *r = s->r;
    const char *names[1 + 2 * CATALOG_MAX_COPIES], *best = NULL;
    int n = 0;
    names[n++] = r->primary;
    for (int i = 0; i < r->n_backups; i++)
        names[n++] = r->backups[i];
    for (int i = 0; i < r->n_learners; i++)
        names[n++] = r->learners[i];
    if (r->leaving && !s->n_victims)
        for (int i = 0; i < n; i++)
            if (strcmp(names[i], r->leaving) == 0)
                return names[i];
    for (int i = 0; i < n; i++) {
        bool taken = false;
        for (int j = 0; j < s->n_victims; j++)
            taken |= s->victims[j] == names[i];
        if (!taken && (!best || better_victim(master__load(p, names[i]), master__load(p, best))))
            best = names[i];
    }
    return best;
}

static void choose_victims(struct picture *p, struct standing *s)
{
    int surplus = s->members - s->r->copies;
    if (surplus > 0)
        s->victims = ARENA_ARRAY(&p->arena, const char *, surplus);
    while (s->n_victims < surplus) {
        const char *victim = next_victim(p, s);
        s->victims[s->n_victims++] = victim;
        count_member(master__load(p, victim), -s->tables);
    }
}

static struct standing *standing_of(const struct picture *p, uint64_t region)
{
    size_t low = 0, high = p->n_regions;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->regions[middle].r->id == region)
            return &p->regions[middle];
        if (p->regions[middle].r->id < region)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void master__picture(const struct catalog_view *v, struct picture *ret)
{
    struct picture *p = ret;
    *p = (struct picture){0};
    p->loads = ARENA_ARRAY(&p->arena, struct load, v->n_servers + 1);
    for (size_t i = 0; i < v->n_servers; i++) {
        const struct server *s = v->servers[i];
        bool drained = catalog_is_drained(v, s->name);
        if (s->region && !s->disk_failed)
            p->loads[p->n_loads++] =
                (struct load){.server = s, .drained = drained, .avoided = drained || s->leaving};
    }
    p->n_regions = v->n_regions;
    p->regions = ARENA_ARRAY(&p->arena, struct standing, v->n_regions + 1);
    for (size_t i = 0; i < v->n_regions; i++)
        p->regions[i].r = v->regions[i];
    for (size_t i = 0; i < v->n_tables; i++) {
        struct standing *s = standing_of(p, v->tables[i]->region);
        if (s)
            s->tables++;
    }
    for (size_t i = 0; i < p->n_regions; i++)
        count_region(p, &p->regions[i]);
    for (size_t i = 0; i < p->n_regions; i++)
        choose_victims(p, &p->regions[i]);
}

void master__picture_done(struct picture *p)
{
    arena_done(&p->arena);
}

/* ---- placing a new region ----------------------------------------------------------------- */

static struct load *least_loaded(const struct picture *p, const struct load *chosen[], int n)
{
    struct load *best = NULL;
    for (size_t i = 0; i < p->n_loads; i++) {
        struct load *l = &p->loads[i];
        bool taken = l->avoided;
        for (int j = 0; j < n; j++)
            taken |= chosen[j] == l;
        if (!taken && (!best || master__less_loaded(l, best)))
            best = l;
    }
    return best;
}

struct error *master_place(const struct catalog_view *v, struct region *r)
{
    struct picture p;
    master__picture(v, &p);
    const struct load *chosen[CATALOG_MAX_COPIES];
    int n = 0, first = 0;
    for (; n < MIN(r->copies, CATALOG_MAX_COPIES); n++)
        if (!(chosen[n] = least_loaded(&p, chosen, n)))
            break;
    for (int i = 1; i < n; i++)
        if (chosen[i]->primaries < chosen[first]->primaries)
            first = i;
    r->n_backups = 0;
    for (int i = 0; i < n; i++) {
        if (i == first)
            r->primary = chosen[i]->server->name;
        else
            r->backups[r->n_backups++] = chosen[i]->server->name;
    }
    master__picture_done(&p);
    if (n)
        return NULL;
    return error_hint(error_new(E_UNAVAILABLE, "no running server can hold a table"),
                      "Start a server with the role region, or undrain one, then try again.");
}
