/*
 * Reads of one state: a REPEATABLE READ transaction sees each region that it does not hold as it
 * was when it first read it, until the transaction ends. A region's state is held by a reader
 * connection with an open transaction: here, or at the primary's server by a peer's session, one
 * for all regions of that server (HOLD, then FRAG, until ENDREAD). States of different regions are
 * of different moments.
 *
 * A state that was current when it was taken stays a state of its region whatever happens to the
 * primary, so that no lease is looked at later. When its server is lost, so is the transaction.
 *
 * While a state is held, the file's WAL cannot start over, and a replica that is no member any more
 * does not replace the file; and a region has few readers: half of them may be held, no more.
 */
#include "exec/exec_int.h"

enum { HELD_MAX = 8 }; /* in one region here; see STORE_READERS */

struct snapshot {
    uint64_t region, schema_version;
    struct region_read read; /* here */
    struct peer_conn *conn;  /* there; several may share it */
    uint64_t lsn;            /* that it is of */
    bool counted;            /* against HELD_MAX */
    char server[CATALOG_NAME_MAX + 1];
};

static struct snapshot *find(const struct exec_session *s, uint64_t region)
{
    for (int i = 0; i < s->n_snapshots; i++)
        if (s->snapshot_list[i].region == region)
            return &s->snapshot_list[i];
    return NULL;
}

static struct peer_conn *conn_to(const struct exec_session *s, const char *server)
{
    for (int i = 0; i < s->n_snapshots; i++)
        if (s->snapshot_list[i].conn && strcmp(s->snapshot_list[i].server, server) == 0)
            return s->snapshot_list[i].conn;
    return NULL;
}

/* ---- how many are held here ----------------------------------------------------------------- */

/* Counts one more or less of a region. False: there are as many as there may be. */
static bool count(struct exec *e, uint64_t region, int change)
{
    pthread_mutex_lock(&e->lock);
    intptr_t n = (intptr_t)map_get_u64(&e->held_snapshots, region) + change;
    bool ok = n <= HELD_MAX;
    if (ok && n > 0)
        map_put_u64(&e->held_snapshots, region, (void *)n);
    else if (ok)
        map_remove_u64(&e->held_snapshots, region);
    pthread_mutex_unlock(&e->lock);
    return ok;
}

/* ---- taking --------------------------------------------------------------------------------- */

static struct error *take_here(struct exec_session *s, struct snapshot *p)
{
    if (p->counted && !count(s->exec, p->region, 1))
        return error_hint(error_new("53000", "too many transactions hold a state of this table"),
                          "Only %d may be REPEATABLE READ in one region at a time.", HELD_MAX);
    struct error *e = region_read_begin(s->exec->regions, p->region, p->schema_version, &p->read);
    struct store_meta meta = {0};
    if (!e)
        e = store_reader_begin(p->read.conn);
    if (!e && p->counted)
        e = store_reader_meta(p->read.conn, &meta);
    if (!e)
        e = region_read_check(&p->read, NULL);
    p->lsn = meta.applied_lsn;
    if (e) {
        region_read_end(&p->read);
        if (p->counted)
            count(s->exec, p->region, -1);
    }
    return e;
}

static struct error *take_there(struct exec_session *s, struct snapshot *p, uint64_t deadline)
{
    char text[80];
    struct peer_conn *shared = conn_to(s, p->server);
    p->conn = shared;
    if (!shared)
        TRY(exec__peer_get(s, p->server, p->region, deadline, &p->conn));
    snprintf(text, sizeof(text), "HOLD %llu %llu", (unsigned long long)p->region,
             (unsigned long long)p->schema_version);
    char tag[64] = "";
    unsigned long long lsn = 0;
    struct error *e = exec__peer_run(s, p->conn, text, NULL, NULL, NULL, NULL, tag);
    if (!e && sscanf(tag, "HOLD %llu", &lsn) != 1)
        e = error_new(E_PROTOCOL, "malformed answer to HOLD");
    p->lsn = lsn;
    if (e && !shared)
        exec__peer_put(p->conn);
    return e;
}

struct error *exec__take_snapshot(struct exec_session *s, bool here, bool brief, uint64_t region,
                                  uint64_t schema_version, uint64_t deadline)
{
    struct snapshot p = {.region = region, .schema_version = schema_version, .counted = !brief};
    struct place at = {.here = true};
    if (!here)
        TRY(exec__place(s->exec, region, &at));
    snprintf(p.server, sizeof(p.server), "%s", at.here ? "" : at.server);
    TRY(at.here ? take_here(s, &p) : take_there(s, &p, deadline));
    if (s->n_snapshots == s->cap_snapshots) {
        s->cap_snapshots = MAX(8, s->cap_snapshots * 2);
        s->snapshot_list =
            mem_realloc(s->snapshot_list, (size_t)s->cap_snapshots * sizeof(*s->snapshot_list));
    }
    s->snapshot_list[s->n_snapshots++] = p;
    return NULL;
}

struct error *exec__snapshot(struct run *r, uint64_t region, uint64_t schema_version,
                             struct store_conn **ret_here, struct peer_conn **ret_there)
{
    struct snapshot *p = find(r->s, region);
    *ret_here = NULL;
    *ret_there = NULL;
    if (!p && !r->s->snapshots)
        return NULL;
    if (!p) {
        TRY(exec__take_snapshot(r->s, r->here, false, region, schema_version, r->deadline));
        p = find(r->s, region);
    }
    if (p->schema_version != schema_version)
        return error_hint(error_new(E_SERIALIZATION,
                                    "a table was changed after this transaction began to read it"),
                          "Run the transaction again.");
    *ret_here = p->read.conn;
    *ret_there = p->conn;
    return NULL;
}

uint64_t exec__snapshot_lsn(const struct exec_session *s, uint64_t region)
{
    const struct snapshot *p = find(s, region);
    return p ? p->lsn : 0;
}

struct error *exec__snapshot_holds(struct exec_session *s, const struct held *h)
{
    const struct snapshot *p = find(s, h->region);
    if (!p || p->lsn == h->lsn)
        return NULL;
    return error_hint(
        error_new(E_SERIALIZATION, "could not serialize access due to concurrent update"),
        "The table that is to be written was written by others after this transaction "
        "had read it: run it again.");
}

struct error *exec__snapshot_failed(struct exec_session *s, struct error *e)
{
    if (s->internal || !s->snapshots || !exec__is_retryable(e))
        return e;
    struct error *told = exec__lost();
    error_detail(told, "%s", e->message);
    error_free(e);
    return told;
}

/* ---- the end -------------------------------------------------------------------------------- */

static void end_there(struct exec_session *s, struct peer_conn *c)
{
    error_free(exec__peer_run(s, c, "ENDREAD", NULL, NULL, NULL, NULL, NULL));
    exec__peer_put(c);
}

struct error *exec__end_snapshots(struct exec_session *s)
{
    struct error *e = NULL;
    while (s->n_snapshots > 0) {
        struct snapshot p = s->snapshot_list[--s->n_snapshots];
        if (p.conn && !conn_to(s, p.server))
            end_there(s, p.conn);
        if (p.conn)
            continue;
        struct error *stale = region_read_check(&p.read, NULL);
        region_read_end(&p.read);
        if (p.counted)
            count(s->exec, p.region, -1);
        if (e)
            error_free(stale);
        else
            e = stale;
    }
    mem_free(s->snapshot_list);
    s->snapshot_list = NULL;
    s->cap_snapshots = 0;
    s->snapshots = false;
    return e;
}
