/*
 * Links to other servers. Each peer has two outgoing connections: `control` for beacons, which must
 * not queue behind data, and `data`. Messages go one way; answers come on the peer's own links. A
 * link connects when there is something to send, and drops what it can't send: the core sends
 * again.
 *
 * Bytes are put into `pending` while the core is locked, and leave through region__flush_links()
 * after that, mostly straight from the thread that made them; the link's own thread connects, and
 * takes over when the socket is full.
 */
#include "region/region_int.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { MAX_PENDING = 64 * 1024 * 1024, RECONNECT_MS = 100, CONNECT_TIMEOUT_S = 2 };

struct link {
    struct regions *rs;
    char *peer;
    const char *command; /* "LINK control" or "LINK data" */
    pthread_t thread;
    int wake; /* eventfd */

    pthread_mutex_t mutex; /* guards the rest */
    PGconn *conn;          /* NULL: not connected; made and ended by the link's thread */
    char *address;         /* that conn goes to */
    struct buf pending;    /* messages, each with its length in front */
    bool full;             /* the socket is: the thread polls */
    bool broken, stop;
    bool suspect; /* the connection broke: see at once whether the peer is still there */
};

/* ---- connecting ------------------------------------------------------------------------------ */

static char *address_of(struct regions *rs, const char *server)
{
    const struct catalog_view *view = catalog_view(rs->catalog);
    const struct server *s = catalog_server(view, server);
    char *address = s ? mem_strdup(s->address) : NULL;
    catalog_unref(view);
    return address;
}

static struct error *connect_to(struct regions *rs, const char *address, const char *command,
                                PGconn **ret)
{
    _cleanup_(mem_freep) char *host = mem_strdup(address);
    char *port = strrchr(host, ':');
    if (!port)
        return error_new(E_CONNECTION, "\"%s\" is not an address", address);
    *port++ = 0;
    _cleanup_(mem_freep) char *options = mem_printf("-c minisql.internal=%s", rs->name);
    char timeout[16];
    snprintf(timeout, sizeof(timeout), "%d", CONNECT_TIMEOUT_S);
    const char *names[] = {"host",
                           "port",
                           "dbname",
                           "user",
                           "connect_timeout",
                           "options",
                           "sslmode",
                           "gssencmode",
                           "application_name",
                           "tcp_user_timeout",
                           NULL};
    const char *values[] = {host,      port,      "minisql", "minisql", timeout, options,
                            "disable", "disable", rs->name,  "10000",   NULL};
    PGconn *conn = PQconnectdbParams(names, values, 0);
    if (PQstatus(conn) != CONNECTION_OK) {
        struct error *e = error_new(E_CONNECTION, "%s", PQerrorMessage(conn));
        PQfinish(conn);
        return e;
    }
    PGresult *result = PQexec(conn, command);
    bool ok = PQresultStatus(result) == PGRES_COPY_BOTH;
    PQclear(result);
    if (!ok) {
        struct error *e = error_new(E_CONNECTION, "%s: %s", command, PQerrorMessage(conn));
        PQfinish(conn);
        return e;
    }
    *ret = conn;
    return NULL;
}

struct error *region__connect(struct regions *rs, const char *server, const char *command,
                              struct pg_conn **ret)
{
    _cleanup_(mem_freep) char *address = address_of(rs, server);
    if (!address)
        return error_new(E_CONNECTION, "server %s is not up", server);
    return connect_to(rs, address, command, ret);
}

/* ---- sending ----------------------------------------------------------------------------------
 */

static void disconnect(struct link *l)
{
    l->suspect = l->conn != NULL;
    PQfinish(l->conn);
    l->conn = NULL;
    mem_free(l->address);
    l->address = NULL;
    l->broken = l->full = false;
    buf_clear(&l->pending); /* the core sends again what mattered */
}

/* Hands pending messages to libpq and the socket. mutex held. */
static void flush(struct link *l)
{
    if (!l->conn || l->broken)
        return;
    size_t at = 0;
    while (at < l->pending.len && !l->full) {
        uint32_t len;
        memcpy(&len, l->pending.data + at, sizeof(len));
        if (PQputCopyData(l->conn, l->pending.data + at + sizeof(len), (int)len) != 1) {
            l->broken = true;
            break;
        }
        at += sizeof(len) + len;
    }
    memmove(l->pending.data, l->pending.data + at, l->pending.len - at);
    l->pending.len -= at;
    int rc = PQflush(l->conn);
    l->full = rc == 1;
    l->broken |= rc < 0;
}

static void wake(struct link *l)
{
    uint64_t one = 1;
    if (write(l->wake, &one, sizeof(one)) < 0)
        return; /* its counter is full: it is awake */
}

static void flush_link(struct link *l)
{
    pthread_mutex_lock(&l->mutex);
    if (l->pending.len && !l->full)
        flush(l);
    bool needs_thread = !l->conn || l->full || l->broken;
    pthread_mutex_unlock(&l->mutex);
    if (needs_thread)
        wake(l);
}

void region__flush_links(struct regions *rs, uint64_t control, uint64_t data)
{
    for (repl_node n = 0; control | data; n++, control >>= 1, data >>= 1) {
        if (control & 1)
            flush_link(rs->nodes[n].control);
        if (data & 1)
            flush_link(rs->nodes[n].data);
    }
}

/* ---- the link's thread -------------------------------------------------------------------------
 */

static bool should_stop(struct link *l)
{
    pthread_mutex_lock(&l->mutex);
    bool stop = l->stop;
    pthread_mutex_unlock(&l->mutex);
    return stop;
}

static void await_events(struct link *l, int socket, bool writable, int timeout_ms)
{
    struct pollfd fds[2] = {{.fd = l->wake, .events = POLLIN},
                            {.fd = socket, .events = (short)(POLLIN | (writable ? POLLOUT : 0))}};
    if (poll(fds, socket >= 0 ? 2 : 1, timeout_ms) > 0 && (fds[0].revents & POLLIN)) {
        uint64_t count;
        if (read(l->wake, &count, sizeof(count)) < 0)
            return;
    }
}

static void peer_is_down(struct link *l)
{
    struct regions *rs = l->rs;
    region__lock(rs);
    if (!atomic_load(&rs->stopping))
        repl_peer_down(rs->core, clock_ms(), region__node(rs, l->peer));
    region__unlock(rs);
}

/* Something to send and no connection: make one. */
static void try_connect(struct link *l)
{
    _cleanup_(mem_freep) char *address = address_of(l->rs, l->peer);
    PGconn *conn = NULL;
    struct error *e = address ? connect_to(l->rs, address, l->command, &conn)
                              : error_new(E_CONNECTION, "server %s is not up", l->peer);
    pthread_mutex_lock(&l->mutex);
    if (!e) {
        PQsetnonblocking(conn, 1);
        l->conn = conn;
        l->address = address;
        address = NULL;
        flush(l);
    } else {
        buf_clear(&l->pending);
    }
    pthread_mutex_unlock(&l->mutex);
    if (e) {
        log_debug("link=%s: %s", l->peer, e->message);
        if (!address || strstr(e->message, "refused")) /* it has signed off, or its process ended */
            peer_is_down(l);
        error_free(e);
        await_events(l, -1, false, RECONNECT_MS);
    }
}

/* The peer never talks on this connection: input means that it ended. */
static void check_connection(struct link *l)
{
    if (!l->conn)
        return;
    char *data = NULL;
    if (!PQconsumeInput(l->conn) || PQgetCopyData(l->conn, &data, 1) < 0)
        l->broken = true;
    PQfreemem(data);
    if (l->full)
        l->full = PQflush(l->conn) == 1;
    if (!l->full)
        flush(l);
    if (l->broken)
        disconnect(l);
}

/* A server that came back somewhere else. */
static void check_address(struct link *l)
{
    _cleanup_(mem_freep) char *now = address_of(l->rs, l->peer);
    pthread_mutex_lock(&l->mutex);
    if (l->conn && now && strcmp(now, l->address) != 0)
        disconnect(l);
    pthread_mutex_unlock(&l->mutex);
}

static void *link_thread(void *arg)
{
    struct link *l = arg;
    while (!should_stop(l)) {
        pthread_mutex_lock(&l->mutex);
        check_connection(l);
        bool connect = !l->conn && (l->pending.len || l->suspect);
        l->suspect = false;
        int socket = l->conn ? PQsocket(l->conn) : -1;
        bool writable = l->full;
        pthread_mutex_unlock(&l->mutex);
        if (connect) {
            try_connect(l);
        } else {
            await_events(l, socket, writable, 1000);
            check_address(l);
        }
    }
    return NULL;
}

static struct link *link_new(struct regions *rs, const char *peer, const char *command)
{
    struct link *l = NEW(struct link);
    l->rs = rs;
    l->peer = mem_strdup(peer);
    l->command = command;
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&l->mutex, NULL);
    if (l->wake < 0 || pthread_create(&l->thread, NULL, link_thread, l) != 0) {
        log_error("link=%s: could not start its thread", peer);
        abort(); /* without links this server can only do harm */
    }
    return l;
}

static void link_free(struct link *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->mutex);
    l->stop = true;
    pthread_mutex_unlock(&l->mutex);
    wake(l);
    pthread_join(l->thread, NULL);
    disconnect(l);
    buf_done(&l->pending);
    close(l->wake);
    pthread_mutex_destroy(&l->mutex);
    mem_free(l->peer);
    mem_free(l);
}

/* From inside the core: core_mutex is held. */
void region__send(void *ctx, repl_node to, bool urgent, const void *data, size_t len)
{
    struct regions *rs = ctx;
    struct node *node = &rs->nodes[to];
    struct link **slot = urgent ? &node->control : &node->data;
    if (atomic_load(&rs->stopping))
        return;
    if (!*slot)
        *slot = link_new(rs, node->name, urgent ? "LINK control" : "LINK data");
    struct link *l = *slot;
    uint32_t n = (uint32_t)len;
    pthread_mutex_lock(&l->mutex);
    if (l->pending.len + len <= MAX_PENDING) {
        buf_append(&l->pending, &n, sizeof(n));
        buf_append(&l->pending, data, len);
    }
    pthread_mutex_unlock(&l->mutex);
    if (urgent)
        rs->dirty_control |= 1ull << to;
    else
        rs->dirty_data |= 1ull << to;
}

void region__close_links(struct regions *rs)
{
    for (uint32_t n = 0; n < rs->n_nodes; n++) {
        link_free(rs->nodes[n].control);
        link_free(rs->nodes[n].data);
        rs->nodes[n].control = rs->nodes[n].data = NULL;
    }
}
