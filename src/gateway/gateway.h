/*
 * gateway: SQL sessions. Listens, speaks PostgreSQL's protocol to clients and to other servers, and
 * runs what they send through sql/, plan/ and exec/.
 *
 * Thread-safe. Sessions are served by a pool of threads that grows while they are busy and shrinks
 * when they are not; a connection that sends nothing costs no thread and a few KiB.
 */
#pragma once

#include "exec/exec.h"

struct gateway;

struct gateway_options {
    const char *name; /* of this server */
    int listen_fd;    /* from gateway_listen; the gateway's own from here on */
    struct catalog *catalog;
    struct exec *exec;
    struct regions *regions;    /* NULL: without the region role */
    bool clients;               /* the gateway role: without it only other servers are let in */
    unsigned max_connections;   /* of clients; 0: 5000 */
    unsigned max_threads;       /* 0: 10000 */
    unsigned cached_statements; /* 0: 2000 */
};

/* Binds and listens; connections wait until gateway_open. 0A000 unless the address is loopback or
 * `insecure` (authentication does not exist yet), 55006 when the port is in use, 22023 for a bad
 * address. */
struct error *gateway_listen(const char *host, const char *port, bool insecure, int *ret_fd);
uint16_t gateway_port(int listen_fd);

struct error *gateway_open(const struct gateway_options *o, struct gateway **ret);
/* From now on refuses new clients with 57P03, and ends the clients' sessions with 57P01, each as
 * soon as no transaction and no statement of it is under way. Other servers' sessions go on. */
void gateway_drain(struct gateway *g);
/* After that: waits until the last client is gone; who takes longer than timeout_ms is cut off. */
void gateway_await_clients(struct gateway *g, unsigned timeout_ms);
/* Ends everything that is left. NULL is fine. */
void gateway_close(struct gateway *g);

struct gateway_counts {
    unsigned clients, peers, threads;
    unsigned cached_statements;
};
void gateway_get_counts(struct gateway *g, struct gateway_counts *ret);
