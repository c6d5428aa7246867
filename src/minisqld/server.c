/*
 * The server's parts, in the order in which they need each other:
 *
 *   listener -> data directory -> coordination store -> catalog -> [registered] -> regions -> exec
 * -> master -> gateway -> instructions
 *
 * The listener comes first, so that a port in use is found before anything is touched; connections
 * wait in its backlog until the gateway takes them. Stopping goes the other way: clients are sent
 * elsewhere as their transactions end, primaries are handed over while links to other servers still
 * run, then everything closes.
 */
#include "minisqld/minisqld_int.h"

#include <stdio.h>

enum {
    STORE_WAIT_MS = 8 * 1000,
    STORE_TRY_MS = 2000,
    DRAIN_MS = 5000,
    HAND_OVER_MS = 3000,
};

struct server_process {
    const struct minisqld_options *o;
    int listen_fd;
    struct datadir *dir;
    struct coord *coord;
    struct catalog *catalog;
    struct regions *regions;
    struct exec *exec;
    struct master *master;
    struct gateway *gateway;
    struct instruct *instruct;
};

/* ---- coordination store and catalog ------------------------------------------------------- */

static bool is_embedded(const struct server_process *s)
{
    return !strcmp(s->o->coord, "embedded");
}

/* A store that is starting, or that has a short break, is waited for, in whatever step of the
 * start. */
static struct error *patiently(struct server_process *s,
                               struct error *(*step)(struct server_process *s))
{
    uint64_t deadline = clock_ms() + STORE_WAIT_MS;
    for (bool first = true;; first = false) {
        struct error *e = step(s);
        if (!error_is(e, E_UNAVAILABLE) && !error_is(e, E_COORD_UNKNOWN))
            return e;
        if (clock_ms() >= deadline)
            return error_hint(
                error_context(e, "the coordination store at %s cannot be reached", s->o->coord),
                "Start it, or correct --coord; then start this server again.");
        if (first)
            log_failure(LOG_WARN, e, "waiting for the coordination store at %s", s->o->coord);
        error_free(e);
        sleep_ms(200);
    }
}

static struct error *open_catalog(struct server_process *s)
{
    return catalog_open(s->coord, STORE_TRY_MS, &s->catalog);
}

static struct error *check_cluster(struct server_process *s)
{
    const struct catalog_view *view = catalog_view(s->catalog);
    struct error *e = datadir_join(s->dir, view->cluster);
    catalog_unref(view);
    return e;
}

static struct error *keep_copy(struct server_process *s)
{
    _cleanup_(mem_freep) char *path = mem_printf("%s/" CATALOG_COPY_FILE, s->o->data);
    return catalog_keep_copy(s->catalog, path);
}

static struct error *open_store(struct server_process *s)
{
    _cleanup_(mem_freep) char *dir = mem_printf("%s/coord", s->o->data);
    TRY(coord_open_secure(s->o->coord, dir, &s->o->coord_security, &s->coord));
    TRY(patiently(s, open_catalog));
    TRY(check_cluster(s));
    return patiently(s, keep_copy);
}

static struct error *register_server(struct server_process *s)
{
    bool v6 = strchr(s->o->host, ':') != NULL;
    _cleanup_(mem_freep) char *address =
        mem_printf(v6 ? "[%s]:%u" : "%s:%u", s->o->host, (unsigned)gateway_port(s->listen_fd));
    const struct server self = {.name = (char *)(uintptr_t)datadir_name(s->dir),
                                .address = address,
                                .gateway = s->o->gateway,
                                .region = s->o->region,
                                .master = s->o->master,
                                .started = clock_wall_ms(),
                                .incarnation = random_u64() >> 1};
    return catalog_register(s->catalog, &self);
}

/* ---- regions, exec, master ---------------------------------------------------------------- */

static struct error *open_regions(struct server_process *s)
{
    if (!s->o->region)
        return NULL;
    struct regions_options ro = {.name = datadir_name(s->dir),
                                 .dir = s->o->data,
                                 .catalog = s->catalog,
                                 .repl = repl_defaults,
                                 .snapshot_rate = s->o->snapshot_rate};
    ro.repl.beacon_ms = s->o->beacon_ms;
    ro.repl.lease_ms = s->o->lease_ms;
    ro.repl.grace_ms = s->o->grace_ms;
    return regions_open(&ro, &s->regions);
}

/* exec -> master: a schema change that came here. */
static struct error *run_ddl(void *ctx, const struct query *q, const char *text)
{
    struct server_process *s = ctx;
    return schema__run(s->master, s->catalog, s->exec, q);
}

static struct error *transact(void *ctx, const char *head, const char *body, char tag[64])
{
    struct server_process *s = ctx;
    return schema__transact(s->master, head, body, tag);
}

static struct master_options master_options_of(const struct server_process *s)
{
    return (struct master_options){.name = datadir_name(s->dir),
                                   .catalog = s->catalog,
                                   .copies = (int)s->o->copies,
                                   .one_region = strcmp(s->o->coord, "embedded") == 0};
}

static struct error *draft_ddl(void *ctx, struct exec_session *session, struct catalog *draft,
                               const struct query *q)
{
    struct server_process *s = ctx;
    const struct master_options like = master_options_of(s);
    return schema__draft(&like, s->exec, session, draft, q);
}

static struct error *open_exec(struct server_process *s)
{
    struct exec_options eo = {.name = datadir_name(s->dir),
                              .catalog = s->catalog,
                              .regions = s->regions,
                              .ddl = {.ctx = s,
                                      .run = s->o->master ? run_ddl : NULL,
                                      .draft = draft_ddl,
                                      .transact = s->o->master ? transact : NULL},
                              .settings = exec_defaults};
    eo.settings.retry_ms = s->o->retry_ms;
    eo.settings.memory = s->o->statement_memory;
    return exec_open(&eo, &s->exec);
}

/* master -> exec: what a region's primary is asked. */
static struct error *ask_primary(void *ctx, const char *server, uint64_t region,
                                 enum repl_change what, const char *target)
{
    struct server_process *s = ctx;
    return exec_region_change(s->exec, region, what, target);
}

static struct error *run_region_ddl(void *ctx, const char *server, uint64_t region, const char *sql)
{
    struct server_process *s = ctx;
    return exec_region_ddl(s->exec, region, sql);
}

static struct error *ask_applied(void *ctx, uint64_t region, const struct catalog_request *request,
                                 unsigned wait_ms, bool *ret)
{
    struct server_process *s = ctx;
    return exec_region_applied(s->exec, region, request, wait_ms, ret);
}

static struct error *open_master(struct server_process *s)
{
    if (!s->o->master)
        return NULL;
    struct master_options mo = master_options_of(s);
    mo.io = (struct master_io){
        .ctx = s, .ask = ask_primary, .run_ddl = run_region_ddl, .applied = ask_applied};
    return master_open(&mo, &s->master);
}

static struct error *open_gateway(struct server_process *s)
{
    struct gateway_options go = {.name = datadir_name(s->dir),
                                 .listen_fd = s->listen_fd,
                                 .catalog = s->catalog,
                                 .exec = s->exec,
                                 .regions = s->regions,
                                 .clients = s->o->gateway,
                                 .max_connections = s->o->max_connections};
    s->listen_fd = -1;
    return gateway_open(&go, &s->gateway);
}

/* Nobody else can write into an embedded store. */
static struct error *open_instruct(struct server_process *s)
{
    if (is_embedded(s))
        return NULL;
    const struct instruct_options io = {.name = datadir_name(s->dir),
                                        .coord = s->coord,
                                        .catalog = s->catalog,
                                        .exec = s->exec,
                                        .keep_s = s->o->instruction_keep_s};
    return instruct_open(&io, &s->instruct);
}

static struct error *start_parts(struct server_process *s)
{
    TRY(gateway_listen(s->o->host, s->o->port, s->o->insecure, &s->listen_fd));
    unsigned port = gateway_port(s->listen_fd);
    char port_text[8];
    snprintf(port_text, sizeof(port_text), "%u", port);
    TRY(datadir_open(s->o->data, s->o->name, port_text, &s->dir));
    TRY(open_store(s));
    TRY(patiently(s, register_server));
    TRY(open_regions(s));
    TRY(patiently(s, open_exec));
    TRY(open_master(s));
    TRY(open_gateway(s));
    TRY(open_instruct(s));
    log_info("server=%s: ready on %s:%u (coord %s, data %s)", datadir_name(s->dir), s->o->host,
             port, s->o->coord, s->o->data);
    if (s->o->insecure)
        log_warn("server=%s: --insecure: whoever reaches %s:%u may read and change everything",
                 datadir_name(s->dir), s->o->host, port);
    return NULL;
}

struct error *server_start(const struct minisqld_options *o, struct server_process **ret)
{
    struct server_process *s = NEW(struct server_process);
    s->o = o;
    s->listen_fd = -1;
    struct error *e = start_parts(s);
    if (e) {
        server_stop(s);
        return e;
    }
    *ret = s;
    return NULL;
}

bool server_wants_restart(const struct server_process *s)
{
    return regions_want_reopening(s->regions);
}

void server_stop(struct server_process *s)
{
    if (s->gateway) {
        catalog_leave(s->catalog);
        gateway_drain(s->gateway);
    }
    if (s->regions && s->gateway)
        regions_hand_over(s->regions, is_embedded(s) ? 0 : HAND_OVER_MS);
    if (s->gateway)
        gateway_await_clients(s->gateway, DRAIN_MS);
    instruct_close(s->instruct);
    gateway_close(s->gateway); /* other servers' schema changes are among its sessions */
    master_close(s->master);
    if (s->exec)
        exec_close(s->exec);
    regions_close(s->regions, 0);
    if (s->catalog)
        catalog_close(s->catalog);
    if (s->coord)
        coord_close(s->coord);
    datadir_close(s->dir);
    fd_closep(&s->listen_fd);
    mem_free(s);
}
