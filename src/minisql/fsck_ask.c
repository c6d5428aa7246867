/*
 * Asking servers, over the protocol that they talk among themselves (exec.h: FSCK). No answer is
 * waited for without end: a server that hangs is one of the things that are looked for.
 */
#include "minisql/fsck_int.h"

#include <poll.h>
#include <stdio.h>

enum { RECORDS_MS = 10000, DISK_MS = 60000 };

/* ---- connections ---------------------------------------------------------------------------- */

PGconn *ask_connect(struct fsck *c, const char *address, const char **ret_failure)
{
    char *host = arena_strdup(&c->arena, address);
    char *port = strrchr(host, ':');
    if (!port) {
        *ret_failure = "its address makes no sense";
        return NULL;
    }
    *port++ = 0;
    size_t n = strlen(host);
    if (n > 1 && host[0] == '[' && host[n - 1] == ']') {
        host[n - 1] = 0;
        host++;
    }
    const char *keys[] = {"host",    "port",    "dbname",     "user", "connect_timeout",
                          "options", "sslmode", "gssencmode", NULL};
    const char *values[] = {host,      port,      "minisql",
                            "minisql", "3",       "-c minisql.internal=fsck",
                            "disable", "disable", NULL};
    PGconn *conn = PQconnectdbParams(keys, values, 0);
    if (PQstatus(conn) == CONNECTION_OK)
        return conn;
    char *why = arena_strdup(&c->arena, PQerrorMessage(conn));
    why[strcspn(why, "\n")] = 0;
    *ret_failure = why;
    PQfinish(conn);
    return NULL;
}

static struct error *failure(PGconn *conn, const PGresult *r)
{
    const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    const char *text = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *hint = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_HINT) : NULL;
    if (!text) {
        struct error *e = error_new(E_CONNECTION, "%s", PQerrorMessage(conn));
        e->message[strcspn(e->message, "\n")] = 0;
        return e;
    }
    struct error *e = error_new(state ? state : E_INTERNAL, "%s", text);
    return hint ? error_hint(e, "%s", hint) : e;
}

static struct error *await_input(PGconn *conn, uint64_t deadline)
{
    uint64_t now = clock_ms();
    struct pollfd fd = {.fd = PQsocket(conn), .events = POLLIN};
    if (now >= deadline || poll(&fd, 1, (int)MIN(deadline - now, (uint64_t)INT32_MAX)) == 0)
        return error_new(E_CONNECTION, "it does not answer in time");
    if (!PQconsumeInput(conn))
        return failure(conn, NULL);
    return NULL;
}

static struct error *receive(PGconn *conn, uint64_t deadline,
                             void (*data)(void *ctx, const char *bytes, size_t len), void *ctx)
{
    for (;;) {
        char *bytes = NULL;
        int n = PQgetCopyData(conn, &bytes, 1);
        if (n > 0 && data)
            data(ctx, bytes, (size_t)n);
        PQfreemem(bytes);
        if (n == -1)
            return NULL;
        if (n == -2)
            return failure(conn, NULL);
        if (n == 0)
            TRY(await_input(conn, deadline));
    }
}

/* One result, which a hanging server never sends. */
static struct error *next_result(PGconn *conn, uint64_t deadline, PGresult **ret)
{
    while (PQisBusy(conn))
        TRY(await_input(conn, deadline));
    *ret = PQgetResult(conn);
    return NULL;
}

struct error *ask_run(PGconn *conn, const char *text, unsigned timeout_ms,
                      void (*data)(void *ctx, const char *bytes, size_t len), void *ctx,
                      char ret_tag[64])
{
    uint64_t deadline = clock_ms() + timeout_ms;
    struct error *e = PQsendQuery(conn, text) ? NULL : failure(conn, NULL);
    while (!e) {
        PGresult *r = NULL;
        e = next_result(conn, deadline, &r);
        if (e || !r)
            break;
        ExecStatusType status = PQresultStatus(r);
        if (status == PGRES_COPY_OUT)
            e = receive(conn, deadline, data, ctx);
        else if (status == PGRES_COMMAND_OK && ret_tag)
            snprintf(ret_tag, 64, "%s", PQcmdStatus(r));
        else if (status != PGRES_COMMAND_OK)
            e = failure(conn, r);
        PQclear(r);
    }
    if (e) /* what is left of its answer, so that the next statement can be sent */
        for (PGresult *r;
             PQstatus(conn) == CONNECTION_OK && !PQisBusy(conn) && (r = PQgetResult(conn)) != NULL;)
            PQclear(r);
    return e;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void add_object(void *ctx, const char *bytes, size_t len)
{
    json_t *o = json_loadb(bytes, len, 0, NULL);
    if (json_is_object(o))
        json_array_append_new(ctx, o);
    else
        json_decref(o);
}

struct error *ask_json(PGconn *conn, const char *text, unsigned timeout_ms, json_t **ret)
{
    json_t *array = json_array();
    struct error *e = ask_run(conn, text, timeout_ms, add_object, array, NULL);
    if (e) {
        json_decref(array);
        return e;
    }
    *ret = array;
    return NULL;
}

uint64_t json_number(const json_t *o, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(o, name));
}

const char *json_text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));
    return s ? s : "";
}

bool json_flag(const json_t *o, const char *name)
{
    return json_is_true(json_object_get(o, name));
}

/* ---- records -------------------------------------------------------------------------------- */

static void add_record(void *ctx, const char *bytes, size_t len)
{
    struct coord_list *l = ctx;
    struct reader r = reader_of(bytes, len);
    uint64_t revision = read64(&r);
    bool leased = read8(&r) != 0;
    const char *key = read_cstring(&r);
    if (!reader_ok(&r))
        return;
    if ((l->n & (l->n - 1)) == 0)
        l->kvs = mem_realloc(l->kvs, MAX(l->n * 2, (size_t)1) * sizeof(*l->kvs));
    l->kvs[l->n++] = (struct coord_kv){.key = mem_strdup(key),
                                       .value = mem_strndup(r.p, reader_left(&r)),
                                       .value_len = reader_left(&r),
                                       .mod_revision = revision,
                                       .lease = leased};
}

static void parse_record(struct fsck *c, struct record *r)
{
    struct error *e = NULL;
    switch (r->kind) {
    case CATALOG_SERVER:
    case CATALOG_TABLE:
    case CATALOG_REGION:
    case CATALOG_SEQUENCE:
    case CATALOG_OBJECT:
        e = catalog_record_parse(r->kv, &r->parsed);
        break;
    case CATALOG_CLUSTER:
        e = catalog_parse_cluster(r->kv, &c->cluster);
        break;
    default:
        break;
    }
    error_free(e); /* fsck_store says which could not be parsed */
}

static struct error *ask_any(struct fsck *c, struct coord_list *ret)
{
    struct session *s = c->s;
    struct error *e = error_new(E_CONNECTION, "no server answers");
    for (size_t i = 0; i < s->n_servers; i++) {
        const struct endpoint *server = &s->servers[(s->current + i) % s->n_servers];
        const char *why = NULL;
        char *address = arena_printf(&c->arena, "%s:%s", server->host, server->port);
        PGconn *conn = ask_connect(c, address, &why);
        error_free(e);
        e = conn ? ask_run(conn, "FSCK records", RECORDS_MS, add_record, ret, NULL)
                 : error_new(E_CONNECTION, "%s", why);
        PQfinish(conn);
        if (!e)
            return NULL;
        coord_list_done(ret);
    }
    return e;
}

struct error *ask_records(struct fsck *c)
{
    TRY(ask_any(c, &c->list));
    c->n_records = c->list.n;
    c->records = ARENA_ARRAY(&c->arena, struct record, c->n_records + 1);
    for (size_t i = 0; i < c->n_records; i++) {
        struct record *r = &c->records[i];
        r->kv = &c->list.kvs[i];
        r->kind = catalog_kind_of(r->kv->key);
        parse_record(c, r);
    }
    return NULL;
}

/* ---- servers -------------------------------------------------------------------------------- */

static json_t *by_region(json_t *all)
{
    json_t *copies = json_object(), *copy;
    size_t i;
    json_array_foreach(all, i, copy)
    {
        char key[24];
        snprintf(key, sizeof(key), "%llu", (unsigned long long)json_number(copy, "region"));
        json_object_set(copies, key, copy);
    }
    json_decref(all);
    return copies;
}

static void ask_holder(struct fsck *c, struct holder *h)
{
    h->conn = ask_connect(c, h->where, &h->silence);
    if (!h->conn)
        return;
    json_t *all = NULL;
    struct error *e = ask_json(h->conn, "FSCK disk", DISK_MS, &all);
    if (!e) {
        h->copies = by_region(all);
        return;
    }
    h->silence = arena_strdup(&c->arena, e->message);
    error_free(e);
    PQfinish(h->conn);
    h->conn = NULL;
}

void ask_holders(struct fsck *c)
{
    for (size_t i = 0; i < c->n_records; i++) {
        const struct server *server = c->records[i].parsed;
        if (c->records[i].kind != CATALOG_SERVER || !server)
            continue;
        struct holder *h = fsck_add_holder(c, server->name, server->address);
        h->region_role = server->region;
        ask_holder(c, h);
    }
}
