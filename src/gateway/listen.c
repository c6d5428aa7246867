/* The gateway as a whole: its listener, its life. */
#include "gateway/gateway_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- listening ---------------------------------------------------------------------------- */

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24) == 127;
    if (a->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
    return false;
}

static bool is_wildcard(const struct sockaddr *a)
{
    static const struct in6_addr any = IN6ADDR_ANY_INIT;
    if (a->sa_family == AF_INET)
        return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr == INADDR_ANY;
    return a->sa_family == AF_INET6 &&
           IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, &any);
}

static struct error *check_address(const struct sockaddr *a, const char *host, bool insecure)
{
    if (!insecure && !is_loopback(a))
        return error_hint(
            error_new(E_UNSUPPORTED, "cannot listen on \"%s\": only loopback addresses are allowed",
                      host),
            "Authentication does not exist yet, so anybody who reaches the port could "
            "read and change everything. Use 127.0.0.1, or, in a network that nobody else "
            "reaches, say --insecure yes.");
    if (is_wildcard(a))
        return error_hint(error_new("22023", "cannot listen on \"%s\"", host),
                          "The address is also what other servers connect to: give the one "
                          "under which they reach this server.");
    return NULL;
}

static struct error *bind_one(const struct addrinfo *a, const char *host, const char *port,
                              bool insecure, int *ret_fd)
{
    TRY(check_address(a->ai_addr, host, insecure));
    _cleanup_(fd_closep) int fd =
        socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_errno(E_IO, errno, "could not create a socket");
    int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, 4096) != 0) {
        if (errno == EADDRINUSE)
            return error_hint(error_new("55006", "port %s on \"%s\" is in use", port, host),
                              "Is another minisqld running? Stop it, or choose another address "
                              "with --listen HOST:PORT.");
        return error_errno(E_IO, errno, "could not listen on %s:%s", host, port);
    }
    *ret_fd = fd;
    fd = -1;
    return NULL;
}

struct error *gateway_listen(const char *host, const char *port, bool insecure, int *ret_fd)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
    int rc = getaddrinfo(host, port, &hints, &list);
    if (rc != 0)
        return error_hint(error_new("22023", "could not understand the address \"%s:%s\": %s", host,
                                    port, gai_strerror(rc)),
                          "Give it as HOST:PORT, for example 127.0.0.1:5433.");
    struct error *e = bind_one(list, host, port, insecure, ret_fd);
    freeaddrinfo(list);
    return e;
}

uint16_t gateway_port(int listen_fd)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof(a);
    if (getsockname(listen_fd, (struct sockaddr *)&a, &len) != 0)
        return 0;
    return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&a)->sin6_port
                                         : ((struct sockaddr_in *)(void *)&a)->sin_port);
}

/* ---- life --------------------------------------------------------------------------------- */

struct error *gateway_open(const struct gateway_options *o, struct gateway **ret)
{
    struct gateway *g = NEW(struct gateway);
    g->o = *o;
    g->name = mem_strdup(o->name);
    g->o.name = g->name;
    if (!g->o.max_connections)
        g->o.max_connections = 5000;
    if (!g->o.max_threads)
        g->o.max_threads = 10000;
    pthread_mutex_init(&g->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&g->changed, &monotonic);
    pthread_cond_init(&g->timer_wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    cache__init(&g->cache, o->cached_statements ? o->cached_statements : 2000);
    g->epoll = g->wake_fd = -1;
    g->pid_base = exec_pid_base(o->exec);
    struct error *e = pool__start(g);
    if (e) {
        gateway_close(g);
        return e;
    }
    *ret = g;
    return NULL;
}

/* Waits until the sessions of clients (or of everybody) are gone. Those that are left are told to
 * end, then their statements are cancelled, then their sockets are closed. Who is just coming in
 * has a moment for it, to be told 57P03: libpq tries its next host after that, not after less. */
static void end_sessions(struct gateway *g, bool peers, uint64_t end_at)
{
    enum { STARTUP_MS = 300, CANCEL_MS = 1000, CUT_MS = 3000 };
    pthread_mutex_lock(&g->lock);
    for (;;) {
        uint64_t now = clock_ms();
        unsigned left = 0;
        for (struct session *s = g->sessions; s; s = s->next) {
            if (!peers && (s->internal || !s->counted)) /* who has not come in yet is refused */
                continue;
            left++;
            if (now >= end_at + (s->started ? 0 : STARTUP_MS))
                session__terminate(s, TERMINATE_SHUTDOWN);
            if (now >= end_at + CANCEL_MS)
                session__cancel(s);
            if (now >= end_at + CUT_MS)
                shutdown(s->fd, SHUT_RDWR);
        }
        if (!left)
            break;
        pool__wait(g, &g->changed, 20);
    }
    pthread_mutex_unlock(&g->lock);
}

void gateway_drain(struct gateway *g)
{
    pthread_mutex_lock(&g->lock);
    atomic_store(&g->draining, true);
    for (struct session *s = g->sessions; s; s = s->next)
        if (s->counted && !s->internal)
            session__leave(s);
    pthread_mutex_unlock(&g->lock);
}

void gateway_await_clients(struct gateway *g, unsigned timeout_ms)
{
    end_sessions(g, false, clock_ms() + timeout_ms);
}

void gateway_close(struct gateway *g)
{
    if (!g)
        return;
    atomic_store(&g->draining, true);
    if (g->o.listen_fd >= 0)
        shutdown(g->o.listen_fd, SHUT_RD); /* who looks for us is refused: so we are gone */
    end_sessions(g, true, clock_ms());
    pool__stop(g);
    while (g->sessions) /* who came between the two lines above */
        session__free(g->sessions);
    cache__done(&g->cache);
    map_done(&g->by_pid);
    pthread_mutex_destroy(&g->lock);
    pthread_cond_destroy(&g->changed);
    pthread_cond_destroy(&g->timer_wake);
    mem_free(g->name);
    mem_free(g);
}

void gateway_get_counts(struct gateway *g, struct gateway_counts *ret)
{
    pthread_mutex_lock(&g->lock);
    *ret = (struct gateway_counts){
        .clients = g->clients, .peers = g->peers, .threads = (unsigned)atomic_load(&g->threads)};
    pthread_mutex_unlock(&g->lock);
    pthread_mutex_lock(&g->cache.lock);
    ret->cached_statements = (unsigned)g->cache.map.len;
    pthread_mutex_unlock(&g->cache.lock);
}
