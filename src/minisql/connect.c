/*
 * Servers, and connections to them.
 *
 * The shell starts with the servers given by -h, in that order. Once connected it asks the cluster
 * for the others, so that when its server dies it goes on at another one. What a user is told then
 * is decided in run.c, which knows whether a statement was under way.
 */
#include "minisql/minisql_int.h"

#include <poll.h>
#include <strings.h>

#define CONNECT_TIMEOUT_S "3"
#define RECONNECT_MS 15000
#define LEARN_AGAIN_MS 30000

static void add_server(struct session *s, const char *name, const char *host, size_t host_len,
                       const char *port)
{
    for (size_t i = 0; i < s->n_servers; i++) {
        struct endpoint *known = &s->servers[i];
        if (strlen(known->host) == host_len && strncmp(known->host, host, host_len) == 0 &&
            strcmp(known->port, port) == 0) {
            if (name && !known->name)
                known->name = mem_strdup(name);
            return;
        }
    }
    s->servers = mem_realloc(s->servers, (s->n_servers + 1) * sizeof(*s->servers));
    s->servers[s->n_servers++] = (struct endpoint){.name = name ? mem_strdup(name) : NULL,
                                                   .host = mem_strndup(host, host_len),
                                                   .port = mem_strdup(port)};
}

static bool port_is_valid(const char *port)
{
    char *end;
    long n = strtol(port, &end, 10);
    return *port && !*end && n > 0 && n <= 65535;
}

/* "host", "host:port", "[::1]:port" */
static struct error *add_address(struct session *s, const char *name, const char *address,
                                 const char *default_port)
{
    const char *host = address, *port = default_port;
    size_t len = strlen(address);
    const char *bracket = address[0] == '[' ? strchr(address, ']') : NULL;
    const char *colon = strrchr(bracket ? bracket : address, ':');
    if (bracket) {
        host++;
        len = (size_t)(bracket - host);
    } else if (colon) {
        len = (size_t)(colon - address);
    }
    if (colon)
        port = colon + 1;
    if (len == 0 || !port_is_valid(port))
        return error_hint(
            error_new(E_CONNECTION, "\"%s\" with port \"%s\" is no server address", address, port),
            "Write it as HOST, HOST:PORT, or several of these with commas between.");
    add_server(s, name, host, len, port);
    return NULL;
}

struct error *minisql__add_servers(struct session *s, const char *hosts, const char *port)
{
    _cleanup_(mem_freep) char *list = mem_strdup(hosts);
    char *rest = list;
    for (char *one; (one = strsep(&rest, ",")) != NULL;)
        TRY(add_address(s, NULL, one, port));
    return NULL;
}

char *minisql__where(const struct session *s)
{
    const struct endpoint *server = &s->servers[s->current];
    return server->name ? mem_printf("%s (%s:%s)", server->name, server->host, server->port)
                        : mem_printf("%s:%s", server->host, server->port);
}

static void print_notice(void *arg, const char *message)
{
    minisql__complain(arg, "%s", message);
}

static PGconn *open_connection(const struct session *s, const struct endpoint *server)
{
    const char *keys[] = {
        "host", "port", "user", "dbname", "connect_timeout", "application_name", "client_encoding",
        NULL};
    const char *values[] = {server->host,      server->port, s->options.user, s->options.database,
                            CONNECT_TIMEOUT_S, "minisql",    "UTF8",          NULL};
    return PQconnectdbParams(keys, values, 0);
}

/* Tries every server once, the current one first. On failure the last connection object stays in
 * s->conn, with its message. */
static bool try_all(struct session *s)
{
    for (size_t i = 0; i < s->n_servers; i++) {
        size_t at = (s->current + i) % s->n_servers;
        PQfinish(s->conn);
        s->conn = open_connection(s, &s->servers[at]);
        if (PQstatus(s->conn) == CONNECTION_OK) {
            s->current = at;
            PQsetNoticeProcessor(s->conn, print_notice, s);
            return true;
        }
        const char *state = PQerrorMessage(s->conn);
        if (strstr(state, "FATAL:") && !strstr(state, "the database system is"))
            return false; /* it answered: another server would say the same */
    }
    return false;
}

enum outcome minisql__connect(struct session *s)
{
    if (try_all(s)) {
        if (s->interactive)
            minisql__learn(s);
        return RUN_OK;
    }
    const char *message = PQerrorMessage(s->conn);
    fprintf(stderr, "minisql: error: %s", message);
    if (!strstr(message, "FATAL:"))
        fputs("HINT:  Start a server with \"minisqld\", or say where one is with -h HOST:PORT.\n",
              stderr);
    return RUN_LOST;
}

enum outcome minisql__reconnect(struct session *s)
{
    char *where = minisql__where(s);
    size_t before = s->current;
    fflush(stdout);
    fprintf(stderr, "The connection to %s was lost.\n", where);
    mem_free(where);
    minisql__interrupted = 0;
    for (uint64_t start = clock_ms(); clock_ms() - start < RECONNECT_MS && !minisql__interrupted;) {
        if (try_all(s)) {
            where = minisql__where(s);
            fprintf(stderr, "%s %s.\n",
                    before == s->current ? "Connected again to" : "Now connected to", where);
            mem_free(where);
            minisql__learn(s);
            return RUN_OK;
        }
        sleep_ms(200);
    }
    fprintf(stderr, "No server answers: %sHINT:  \\c tries again.\n", PQerrorMessage(s->conn));
    return RUN_LOST;
}

bool minisql__alive(struct session *s)
{
    if (PQstatus(s->conn) != CONNECTION_OK)
        return false;
    struct pollfd p = {.fd = PQsocket(s->conn), .events = POLLIN};
    while (poll(&p, 1, 0) > 0) {
        /* a notice, or the end of the connection */
        if (!PQconsumeInput(s->conn) || PQstatus(s->conn) != CONNECTION_OK)
            return false;
    }
    PQisBusy(s->conn); /* lets libpq take in what came, so that a notice is shown now */
    return PQstatus(s->conn) == CONNECTION_OK;
}

void minisql__learn(struct session *s)
{
    if (s->learned_ms && clock_ms() - s->learned_ms < LEARN_AGAIN_MS)
        return;
    s->learned_ms = clock_ms();
    PGresult *r = minisql__query(s, "SELECT name, address FROM minisql_servers", true);
    for (int i = 0; r && i < PQntuples(r); i++)
        /* an address that we can't read is one server less to turn to, nothing worse */
        error_free(add_address(s, PQgetvalue(r, i, 0), PQgetvalue(r, i, 1), "5433"));
    PQclear(r);
}
