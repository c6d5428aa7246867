/*
 * The master: what the real one decides (master_plan), on the records as the store has them and the
 * servers that seem to live. It may die between any two of its requests; the next one knows nothing
 * but the store. Its requests get lost like anybody's.
 */
#include "master/master.h"
#include "sim/sim_int.h"

static char names[][4] = {"s0", "s1", "s2", "s3", "s4"};
_Static_assert(ARRAY_LEN(names) == MAX_SERVERS, "a name for each");

struct scene { /* a view, and what it points to */
    struct catalog_view view;
    struct server servers[MAX_SERVERS];
    struct region regions[MAX_REGIONS];
    struct table tables[MAX_REGIONS];
    const struct server *server_list[MAX_SERVERS];
    const struct region *region_list[MAX_REGIONS];
    const struct table *table_list[MAX_REGIONS];
};

/* A session may outlive its server, or be lost by one that lives. */
static bool seems_alive(struct sim *s, unsigned server)
{
    if (s->faults && sim__likely(s, 50))
        return sim__likely(s, 500);
    return s->servers[server].up && !server__paused(s, &s->servers[server]);
}

static void show_servers(struct sim *s, struct scene *c)
{
    for (unsigned i = 0; i < s->n_servers; i++) {
        if (!seems_alive(s, i))
            continue;
        struct server *v = &c->servers[c->view.n_servers];
        v->name = names[i];
        v->region = true;
        v->disk_failed = s->servers[i].log_failed;
        v->incarnation = s->servers[i].incarnation;
        c->server_list[c->view.n_servers++] = v;
    }
}

static int name_all(const repl_node *nodes, uint32_t n, char **ret)
{
    for (uint32_t i = 0; i < n; i++)
        ret[i] = names[nodes[i]];
    return (int)n;
}

static void show_regions(struct sim *s, struct scene *c)
{
    for (unsigned i = 0; i < s->n_regions; i++) {
        const struct sim_region *g = &s->regions[i];
        struct region *r = &c->regions[i];
        r->id = i;
        r->epoch = g->config.epoch;
        r->copies = (int)s->copies;
        r->primary = names[g->config.primary];
        r->n_backups = name_all(g->config.backups, g->config.n_backups, r->backups);
        r->n_learners = name_all(g->config.learners, g->config.n_learners, r->learners);
        r->n_former = name_all(g->former, g->n_former, r->former);
        c->tables[i] = (struct table){.id = i + 1, .region = i};
        c->region_list[i] = r;
        c->table_list[i] = &c->tables[i];
    }
    c->view.n_regions = c->view.n_tables = s->n_regions;
}

static unsigned number_of(const char *name)
{
    return (unsigned)(name[1] - '0');
}

void master__ask(struct sim *s, unsigned region, unsigned server, enum repl_change what,
                 unsigned node)
{
    struct event *e = event__new(EV_ASK, server, region);
    e->change = what;
    e->from = node;
    if (s->faults && sim__likely(s, s->knobs.loss))
        event__free(e);
    else
        event__at(s, sim__between(s, 1 * MS, 20 * MS), e);
}

static void dies(struct sim *s)
{
    master_memory_done(s->memory);
    *s->memory = (struct master_memory){0};
}

void master__acts(struct sim *s)
{
    enum { MOST = 8 };
    struct scene c = {0};
    struct master_action actions[MOST];
    struct master_limits limits = master_limits_default;
    event__at(s, sim__between(s, 200 * MS, 600 * MS), event__new(EV_MASTER, 0, 0));
    if (!s->memory)
        s->memory = NEW(struct master_memory);
    limits.repair_ms = s->repair_ms;
    limits.settle_ms = 2 * s->repair_ms;
    show_servers(s, &c);
    show_regions(s, &c);
    c.view.servers = c.server_list;
    c.view.regions = c.region_list;
    c.view.tables = c.table_list;
    size_t n = master_plan(s->memory, &c.view, s->now / MS + 1, &limits, actions, MOST);
    for (size_t i = 0; i < n; i++) {
        if (s->faults && sim__likely(s, 30)) {
            STORY(s, "the master dies");
            dies(s);
            return;
        }
        master__ask(s, (unsigned)actions[i].region, number_of(actions[i].server), actions[i].what,
                    number_of(actions[i].target));
    }
}

void master__free(struct sim *s)
{
    if (s->memory)
        dies(s);
    mem_free(s->memory);
}

void master__asks(struct sim *s, struct sim_server *v, struct event *e)
{
    struct replica *r = &v->replicas[e->region];
    if (!r->core)
        return;
    static const char *const changes[] = {"add", "remove", "transfer to"};
    struct error *error = repl_change(v->core, server__clock(s, v), r->core, e->change, e->from);
    STORY(s, "s%u r%u is asked to %s s%u: %s", v->id, e->region, changes[e->change], e->from,
          error ? error->message : "ok");
    error_free(error);
}

static void add_former(struct sim_region *g, unsigned node)
{
    bool there = config__holds(&g->config, node) || config__learner(&g->config, node);
    for (uint32_t i = 0; i < g->n_former; i++)
        there |= g->former[i] == node;
    if (!there && g->n_former < ARRAY_LEN(g->former))
        g->former[g->n_former++] = node;
}

/* As a region's record remembers who held it lately: the newest first, learners not. */
void master__remember_former(struct sim_region *g, const struct repl_config *old)
{
    repl_node before[MAX_SERVERS];
    uint32_t n = g->n_former;
    memcpy(before, g->former, sizeof(before));
    g->n_former = 0;
    add_former(g, old->primary);
    for (uint32_t i = 0; i < old->n_backups; i++)
        add_former(g, old->backups[i]);
    for (uint32_t i = 0; i < n; i++)
        add_former(g, before[i]);
}
