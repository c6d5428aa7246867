/*
 * Connections to other servers: libpq in internal mode, pooled, with prepared statements.
 *
 * Nothing here waits without looking up: every wait is in slices, between which it is checked
 *   - whether the client cancelled (passed on as PostgreSQL's cancel request, so that the peer
 * stops working),
 *   - whether, by the catalog, the server still is the region's primary: a dead or frozen peer
 * sends nothing, but its successor shows up there, and the request id makes it safe to leave. A
 * connection that was left in the middle is closed. Lost connections are 08006, which
 * exec__is_retryable() knows.
 *
 * A text that comes for the second time on a connection is prepared; statements are known by their
 * text.
 */
#include "exec/exec_int.h"

#include <libpq-fe.h>
#include <poll.h>

enum {
    WAIT_SLICE_MS = 40,
    PREPARED_MAX = 300,
    CONNECT_MS = 3000,
    CANCEL_MS = 2000,
    GONE_MS = 10000
};

struct peer_conn {
    PGconn *pg;
    char *server;
    uint64_t incarnation;
    struct peer_pool *pool;
    struct map seen; /* text -> (uintptr_t) 1: seen once; n > 1: prepared as s<n> */
    uintptr_t n_seen;
    uint64_t region;     /* that the present statement is about; 0: none */
    uint64_t gone_since; /* the catalog does not know the server since then */
    bool broken;
    struct peer_conn *next;
};

struct peer_pool {
    struct exec *exec;
    pthread_mutex_t lock; /* guards idle */
    struct map idle;      /* server -> struct peer_conn list */
};

struct peer_pool *exec__peers_new(struct exec *e)
{
    struct peer_pool *p = NEW(struct peer_pool);
    p->exec = e;
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

static void conn_free(struct peer_conn *c)
{
    if (c->pg)
        PQfinish(c->pg);
    map_done(&c->seen);
    mem_free(c->server);
    mem_free(c);
}

void exec__peers_free(struct peer_pool *p)
{
    if (!p)
        return;
    void *v;
    for (size_t i = 0; map_next(&p->idle, &i, &v);)
        for (struct peer_conn *c = v, *next; c; c = next) {
            next = c->next;
            conn_free(c);
        }
    map_done(&p->idle);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
}

/* ---- waiting -------------------------------------------------------------------------------- */

static struct error *lost(struct peer_conn *c, const char *why)
{
    c->broken = true;
    size_t n = why ? strcspn(why, "\n") : 0;
    return error_new(E_CONNECTION, "connection to server \"%s\" lost%s%.*s", c->server,
                     n > 0 ? ": " : "", (int)n, why ? why : "");
}

/* Is there still a point in waiting for this server? */
static struct error *still_there(struct peer_conn *c)
{
    const struct catalog_view *v = catalog_view(c->pool->exec->catalog);
    const struct region *r = c->region ? catalog_region(v, c->region) : NULL;
    const struct server *s = catalog_server(v, c->server);
    bool moved = c->region && (!r || !r->primary || strcmp(r->primary, c->server) != 0);
    bool restarted = s && s->incarnation != c->incarnation;
    catalog_unref(v);
    if (s)
        c->gone_since = 0;
    else if (!c->gone_since)
        c->gone_since = clock_ms();
    if (moved || restarted) {
        c->broken = true;
        return error_new(E_NOT_PRIMARY, "server \"%s\" %s", c->server,
                         moved ? "is not the primary any more" : "was restarted");
    }
    /* Not registered any more, and nobody took over: it may be the store that lost it. */
    if (c->gone_since && clock_ms() - c->gone_since > GONE_MS)
        return lost(c, "it is not registered any more");
    return NULL;
}

/* PQcancel() waits for the server to close, which a frozen one does not: so on a thread of its own.
 */
static void *cancel_thread(void *cancel)
{
    char text[256];
    PQcancel(cancel, text, sizeof(text));
    PQfreeCancel(cancel);
    return NULL;
}

static void send_cancel(struct peer_conn *c)
{
    pthread_t t;
    PGcancel *cancel = PQgetCancel(c->pg);
    if (cancel && pthread_create(&t, NULL, cancel_thread, cancel) == 0)
        pthread_detach(t);
    else
        PQfreeCancel(cancel);
}

/* One slice. *cancel_until: when to leave a peer that does not react to the cancel request; 0: none
 * sent. */
static struct error *wait_slice(struct exec_session *s, struct peer_conn *c, bool write,
                                uint64_t *cancel_until)
{
    struct pollfd p = {.fd = PQsocket(c->pg), .events = (short)(POLLIN | (write ? POLLOUT : 0))};
    if (p.fd < 0)
        return lost(c, NULL);
    if (poll(&p, 1, WAIT_SLICE_MS) > 0)
        return NULL;
    if (s->patience && clock_ms() > s->patience)
        return lost(c, "it does not answer in time");
    if (*cancel_until && clock_ms() > *cancel_until)
        return lost(c, "it does not react to a cancel request");
    if (!*cancel_until && atomic_load(&s->cancel)) {
        *cancel_until = clock_ms() + CANCEL_MS;
        send_cancel(c);
    }
    return still_there(c);
}

static struct error *flush(struct exec_session *s, struct peer_conn *c, uint64_t *cancel_until)
{
    for (;;) {
        int rc = PQflush(c->pg);
        if (rc == 0)
            return NULL;
        if (rc < 0)
            return lost(c, PQerrorMessage(c->pg));
        TRY(wait_slice(s, c, true, cancel_until));
        if (!PQconsumeInput(c->pg))
            return lost(c, PQerrorMessage(c->pg));
    }
}

/* ---- connecting ----------------------------------------------------------------------------- */

/* PQconnectPoll() is only called when the socket is ready for it: before that it believes that the
 * connection is made, and waits in a poll of its own for as long as the kernel tries. */
static struct error *connect_wait(struct exec_session *s, struct peer_conn *c, uint64_t deadline)
{
    PostgresPollingStatusType st = PGRES_POLLING_WRITING; /* PQconnectStart's, by definition */
    for (;;) {
        if (clock_ms() > deadline)
            return lost(c, "it does not answer");
        if (atomic_load(&s->cancel))
            return exec__canceled();
        struct pollfd p = {.fd = PQsocket(c->pg),
                           .events = st == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        if (poll(&p, 1, WAIT_SLICE_MS) > 0)
            st = PQconnectPoll(c->pg);
        if (st == PGRES_POLLING_OK)
            return NULL;
        if (st == PGRES_POLLING_FAILED)
            return lost(c, PQerrorMessage(c->pg));
        TRY(still_there(c));
    }
}

static struct error *find_server(struct peer_conn *c, char **ret_host, char **ret_port)
{
    const struct catalog_view *v = catalog_view(c->pool->exec->catalog);
    const struct server *s = catalog_server(v, c->server);
    const char *colon = s ? strrchr(s->address, ':') : NULL;
    if (colon) {
        bool brackets = s->address[0] == '[' && colon > s->address + 1 && colon[-1] == ']';
        const char *host = s->address + (brackets ? 1 : 0);
        *ret_host = mem_strndup(host, (size_t)(colon - host) - (brackets ? 1 : 0));
        *ret_port = mem_strdup(colon + 1);
        c->incarnation = s->incarnation;
    }
    catalog_unref(v);
    if (!colon)
        return error_new(E_CONNECTION, "server \"%s\" is not running", c->server);
    return NULL;
}

static struct error *conn_open(struct exec_session *s, struct peer_conn *c, uint64_t deadline)
{
    char *host = NULL, *port = NULL;
    TRY(find_server(c, &host, &port));
    char *options = mem_printf("-c minisql.internal=%s", c->pool->exec->name);
    /* A server that no packet reaches any more is noticed though nothing is heard of it. */
    const char *keys[] = {"host",
                          "port",
                          "dbname",
                          "user",
                          "options",
                          "sslmode",
                          "application_name",
                          "tcp_user_timeout",
                          "keepalives_idle",
                          "keepalives_interval",
                          "keepalives_count",
                          NULL};
    const char *values[] = {host,       port,   "minisql", "minisql", options, "disable",
                            "minisqld", "5000", "5",       "2",       "3",     NULL};
    c->pg = PQconnectStartParams(keys, values, 0);
    struct error *e = !c->pg || PQstatus(c->pg) == CONNECTION_BAD
                          ? lost(c, c->pg ? PQerrorMessage(c->pg) : NULL)
                          : connect_wait(s, c, MIN(deadline, clock_ms() + CONNECT_MS));
    if (!e && PQsetnonblocking(c->pg, 1) != 0)
        e = lost(c, PQerrorMessage(c->pg));
    mem_free(options);
    mem_free(host);
    mem_free(port);
    return e;
}

/* A pooled connection is of the server's present life, and quiet: something to read means that it
 * was closed. */
static bool usable(struct peer_conn *c)
{
    struct pollfd p = {.fd = PQsocket(c->pg), .events = POLLIN};
    const struct catalog_view *v = catalog_view(c->pool->exec->catalog);
    const struct server *s = catalog_server(v, c->server);
    bool same = !s || s->incarnation == c->incarnation;
    catalog_unref(v);
    return same && p.fd >= 0 && poll(&p, 1, 0) == 0;
}

static struct peer_conn *take_idle(struct peer_pool *p, const char *server)
{
    for (;;) {
        pthread_mutex_lock(&p->lock);
        struct peer_conn *c = map_get_str(&p->idle, server);
        if (c) {
            map_put_str(&p->idle, server, c->next);
            c->next = NULL;
        }
        pthread_mutex_unlock(&p->lock);
        if (!c || usable(c))
            return c;
        conn_free(c);
    }
}

struct error *exec__peer_get(struct exec_session *s, const char *server, uint64_t region,
                             uint64_t deadline, struct peer_conn **ret)
{
    struct peer_pool *p = s->exec->peers;
    struct peer_conn *c = take_idle(p, server);
    if (!c) {
        c = NEW(struct peer_conn);
        c->server = mem_strdup(server);
        c->pool = p;
        c->region = region;
        struct error *e = conn_open(s, c, deadline);
        if (e) {
            conn_free(c);
            return e;
        }
    }
    c->region = region;
    *ret = c;
    return NULL;
}

void exec__peer_drop(struct peer_conn *c)
{
    conn_free(c);
}

void exec__peer_put(struct peer_conn *c)
{
    struct peer_pool *p = c->pool;
    if (c->broken || PQstatus(c->pg) != CONNECTION_OK ||
        PQtransactionStatus(c->pg) != PQTRANS_IDLE || c->n_seen > PREPARED_MAX) {
        conn_free(c);
        return;
    }
    pthread_mutex_lock(&p->lock);
    int n = 0;
    for (struct peer_conn *i = map_get_str(&p->idle, c->server); i; i = i->next)
        n++;
    bool full = n >= p->exec->settings.max_peer_connections;
    if (!full) {
        c->next = map_get_str(&p->idle, c->server);
        map_put_str(&p->idle, c->server, c);
    }
    pthread_mutex_unlock(&p->lock);
    if (full)
        conn_free(c);
}

/* ---- statements ----------------------------------------------------------------------------- */

static struct error *error_of(const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *v;
    struct error *e = error_new(state && strlen(state) == 5 ? state : E_INTERNAL, "%s",
                                message ? message : "an error without a message");
    if ((v = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL)))
        error_detail(e, "%s", v);
    if ((v = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT)))
        error_hint(e, "%s", v);
    if ((v = PQresultErrorField(res, PG_DIAG_STATEMENT_POSITION)))
        error_at(e, atoi(v));
    if ((v = PQresultErrorField(res, PG_DIAG_SCHEMA_NAME)))
        e->schema = mem_strdup(v);
    if ((v = PQresultErrorField(res, PG_DIAG_TABLE_NAME)))
        e->table = mem_strdup(v);
    if ((v = PQresultErrorField(res, PG_DIAG_COLUMN_NAME)))
        e->column = mem_strdup(v);
    if ((v = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME)))
        e->constraint = mem_strdup(v);
    if ((v = PQresultErrorField(res, PG_DIAG_DATATYPE_NAME)))
        e->datatype = mem_strdup(v);
    return e;
}

static struct error *next_result(struct exec_session *s, struct peer_conn *c,
                                 uint64_t *cancel_until, PGresult **ret)
{
    while (PQisBusy(c->pg)) {
        TRY(wait_slice(s, c, false, cancel_until));
        if (!PQconsumeInput(c->pg))
            return lost(c, PQerrorMessage(c->pg));
    }
    *ret = PQgetResult(c->pg);
    return NULL;
}

struct incoming {
    exec__row_fn row;
    void *ctx;
    int64_t *count;
    bool end;
};

/* The rows of a CopyOut. After an error of ours the rest is not read: the connection is given up.
 */
static struct error *copy_out(struct exec_session *s, struct peer_conn *c, struct incoming *in,
                              uint64_t *cancel_until)
{
    for (;;) {
        char *data;
        int n = PQgetCopyData(c->pg, &data, 1);
        if (n == -1)
            return NULL;
        if (n == -2)
            return lost(c, PQerrorMessage(c->pg));
        if (n == 0) {
            TRY(wait_slice(s, c, false, cancel_until));
            if (!PQconsumeInput(c->pg))
                return lost(c, PQerrorMessage(c->pg));
            continue;
        }
        int64_t count = 0;
        struct error *e = exec__stream_get(data, (size_t)n, s, in->row, in->ctx, &count, &in->end);
        PQfreemem(data);
        if (e) {
            c->broken = true;
            return e;
        }
        if (in->end && in->count)
            *in->count = count;
    }
}

/* All results up to the end of the statement. */
static struct error *finish(struct exec_session *s, struct peer_conn *c, struct incoming *in,
                            char *tag, uint64_t *cancel_until)
{
    struct error *err = NULL;
    for (;;) {
        PGresult *res = NULL;
        struct error *e = next_result(s, c, cancel_until, &res);
        if (!e && !res)
            return err;
        ExecStatusType st = e ? PGRES_FATAL_ERROR : PQresultStatus(res);
        if (!e && st == PGRES_COPY_OUT)
            e = copy_out(s, c, in, cancel_until);
        else if (!e && st == PGRES_COMMAND_OK && tag)
            snprintf(tag, 64, "%s", PQcmdStatus(res));
        else if (!e && st == PGRES_FATAL_ERROR && !err)
            err = PQstatus(c->pg) == CONNECTION_OK ? error_of(res) : lost(c, PQerrorMessage(c->pg));
        PQclear(res);
        if (e) {
            error_free(err);
            c->broken = true;
            return e;
        }
        if (PQstatus(c->pg) != CONNECTION_OK)
            return err ? err : lost(c, PQerrorMessage(c->pg));
    }
}

static struct error *prepare(struct exec_session *s, struct peer_conn *c, const char *name,
                             const char *text, uint64_t *cancel_until)
{
    const Oid bytea = 17;
    if (!PQsendPrepare(c->pg, name, text, 1, &bytea))
        return lost(c, PQerrorMessage(c->pg));
    TRY(flush(s, c, cancel_until));
    struct incoming none = {0};
    return finish(s, c, &none, NULL, cancel_until);
}

static struct error *send_with_args(struct exec_session *s, struct peer_conn *c, const char *text,
                                    const struct buf *args, uint64_t *cancel_until)
{
    const Oid bytea = 17;
    const char *value = args->data;
    int len = (int)args->len, format = 1, ok;
    uintptr_t seen = (uintptr_t)map_get_str(&c->seen, text);
    if (seen == 0) {
        map_put_str(&c->seen, text, (void *)1);
        c->n_seen++;
        ok = PQsendQueryParams(c->pg, text, 1, &bytea, &value, &len, &format, 1);
    } else {
        char name[32];
        if (seen == 1)
            seen = ++c->n_seen;
        snprintf(name, sizeof(name), "s%llu", (unsigned long long)seen);
        if ((uintptr_t)map_get_str(&c->seen, text) == 1) {
            TRY(prepare(s, c, name, text, cancel_until));
            map_put_str(&c->seen, text, (void *)seen);
        }
        ok = PQsendQueryPrepared(c->pg, name, 1, &value, &len, &format, 1);
    }
    return ok ? NULL : lost(c, PQerrorMessage(c->pg));
}

struct error *exec__peer_send(struct exec_session *s, struct peer_conn *c, const char *text)
{
    uint64_t cancel_until = 0;
    if (c->broken || !PQsendQuery(c->pg, text))
        return lost(c, PQerrorMessage(c->pg));
    return flush(s, c, &cancel_until);
}

struct error *exec__peer_receive(struct exec_session *s, struct peer_conn *c, char tag[64])
{
    uint64_t cancel_until = 0;
    struct incoming none = {0};
    return c->broken ? lost(c, NULL) : finish(s, c, &none, tag, &cancel_until);
}

struct error *exec__peer_run(struct exec_session *s, struct peer_conn *c, const char *text,
                             const struct buf *args, exec__row_fn row, void *ctx,
                             int64_t *ret_count, char tag[64])
{
    uint64_t cancel_until = 0;
    if (c->broken)
        return lost(c, NULL);
    if (args)
        TRY(send_with_args(s, c, text, args, &cancel_until));
    else if (!PQsendQuery(c->pg, text))
        return lost(c, PQerrorMessage(c->pg));
    TRY(flush(s, c, &cancel_until));
    struct incoming in = {.row = row, .ctx = ctx, .count = ret_count};
    return finish(s, c, &in, tag, &cancel_until);
}

/* ---- COPY to a peer ------------------------------------------------------------------------- */

struct error *exec__peer_copy_begin(struct exec_session *s, struct peer_conn *c, const char *text)
{
    uint64_t cancel_until = 0;
    if (!PQsendQuery(c->pg, text))
        return lost(c, PQerrorMessage(c->pg));
    TRY(flush(s, c, &cancel_until));
    PGresult *res = NULL;
    TRY(next_result(s, c, &cancel_until, &res));
    ExecStatusType st = res ? PQresultStatus(res) : PGRES_FATAL_ERROR;
    struct error *e = NULL;
    if (st != PGRES_COPY_IN)
        e = res && PQstatus(c->pg) == CONNECTION_OK ? error_of(res)
                                                    : lost(c, PQerrorMessage(c->pg));
    PQclear(res);
    if (!e)
        return NULL;
    struct incoming none = {0};
    error_free(c->broken ? NULL : finish(s, c, &none, NULL, &cancel_until));
    return e;
}

struct error *exec__peer_copy_data(struct exec_session *s, struct peer_conn *c, const char *data,
                                   size_t len)
{
    uint64_t cancel_until = 0;
    for (;;) {
        int rc = PQputCopyData(c->pg, data, (int)len);
        if (rc > 0)
            break;
        if (rc < 0)
            return lost(c, PQerrorMessage(c->pg));
        TRY(wait_slice(s, c, true, &cancel_until));
    }
    /* Sends what the socket takes now; the rest goes along with the next. */
    if (PQflush(c->pg) < 0)
        return lost(c, PQerrorMessage(c->pg));
    return NULL;
}

struct error *exec__peer_copy_end(struct exec_session *s, struct peer_conn *c, bool ok,
                                  int64_t *ret_count)
{
    uint64_t cancel_until = 0;
    if (c->broken)
        return lost(c, NULL);
    while (PQputCopyEnd(c->pg, ok ? NULL : "stopped by the client") == 0)
        TRY(wait_slice(s, c, true, &cancel_until));
    TRY(flush(s, c, &cancel_until));
    char tag[64] = "";
    struct incoming none = {0};
    TRY(finish(s, c, &none, tag, &cancel_until));
    if (ret_count)
        *ret_count = strncmp(tag, "COPY ", 5) == 0 ? strtoll(tag + 5, NULL, 10) : 0;
    return NULL;
}

/* ---- from nobody's session --------------------------------------------------------------------
 */

struct error *exec__ask_server(struct exec *e, const char *server, const char *text,
                               unsigned patience_ms, exec__row_fn row, void *ctx, char tag[64])
{
    const struct exec_session_options o = {.internal = true};
    struct exec_session *s = exec_session_new(e, &o);
    struct peer_conn *c;
    s->patience = clock_ms() + patience_ms;
    struct error *err = exec__peer_get(s, server, 0, s->patience, &c);
    if (!err) {
        err = exec__peer_run(s, c, text, NULL, row, ctx, NULL, tag);
        exec__peer_put(c);
    }
    exec_session_free(s);
    return err;
}

void exec__tell_servers(struct exec *e, const char *text, unsigned patience_ms)
{
    const struct catalog_view *v = catalog_view(e->catalog);
    for (size_t i = 0; i < v->n_servers; i++) {
        const struct server *peer = v->servers[i];
        if (strcmp(peer->name, e->name) != 0 && (peer->gateway || peer->region))
            error_free(exec__ask_server(e, peer->name, text, patience_ms, NULL, NULL, NULL));
    }
    catalog_unref(v);
}
