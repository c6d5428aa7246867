/*
 * What runs: sessions of all servers, locks, and counters of use. Nothing is counted here
 * (track_counts is off), so that the pg_stat relations have zeros, but for the rows there are.
 */
#include "exec/system.h"

/* ---- pg_stat_activity ------------------------------------------------------------------------ */

enum { PATIENCE_MS = 1000, N_ACTIVITY = 14 };

struct gathering {
    struct exec__maker *m;
    struct error *(*give)(struct exec__maker *m, const struct exec_activity *a);
};

static struct value text_or_null(const char *s)
{
    return s ? (struct value){.kind = VALUE_TEXT, .s = {s, strlen(s)}}
             : (struct value){.kind = VALUE_NULL};
}

static struct value int_value(int64_t i)
{
    return (struct value){.kind = VALUE_INT, .i = i};
}

int exec__activity_put(const struct exec_activity *x, struct value *ret)
{
    const struct value v[N_ACTIVITY] = {int_value(x->pid),           text_or_null(x->user),
                                        text_or_null(x->database),   text_or_null(x->application),
                                        text_or_null(x->address),    int_value(x->port),
                                        int_value(x->backend_start), int_value(x->xact_start),
                                        int_value(x->query_start),   int_value(x->state_change),
                                        text_or_null(x->state),      text_or_null(x->query),
                                        text_or_null(x->wait_type),  text_or_null(x->wait_event)};
    memcpy(ret, v, sizeof(v));
    return N_ACTIVITY;
}

static const char *text_at(const struct value *v, struct arena *a)
{
    return v->kind == VALUE_TEXT ? arena_strndup(a, v->s.p, v->s.n) : NULL;
}

static int64_t int_at(const struct value *v)
{
    return v->kind == VALUE_INT ? v->i : 0;
}

/* A row from another server. */
static struct error *take_row(void *ctx, const struct value *v, int n)
{
    const struct gathering *g = ctx;
    struct arena *a = &g->m->arena;
    if (n != N_ACTIVITY)
        return error_new(E_PROTOCOL, "malformed list of sessions");
    const struct exec_activity x = {.pid = (int32_t)int_at(&v[0]),
                                    .user = text_at(&v[1], a),
                                    .database = text_at(&v[2], a),
                                    .application = text_at(&v[3], a),
                                    .address = text_at(&v[4], a),
                                    .port = (int)int_at(&v[5]),
                                    .backend_start = int_at(&v[6]),
                                    .xact_start = int_at(&v[7]),
                                    .query_start = int_at(&v[8]),
                                    .state_change = int_at(&v[9]),
                                    .state = text_at(&v[10], a),
                                    .query = text_at(&v[11], a),
                                    .wait_type = text_at(&v[12], a),
                                    .wait_event = text_at(&v[13], a)};
    return g->give(g->m, &x);
}

struct error *exec__each_peer(struct exec *e, const char *text, exec__row_fn row, void *ctx,
                              bool (*enough)(void *ctx, const char *tag), void *enough_ctx)
{
    const struct catalog_view *v = catalog_view(e->catalog);
    struct error *failed = NULL;
    for (size_t i = 0; i < v->n_servers && !failed; i++) {
        const struct server *server = v->servers[i];
        if (!server->gateway || strcmp(server->name, e->name) == 0)
            continue;
        char tag[64] = "";
        failed = exec__ask_server(e, server->name, text, PATIENCE_MS, row, ctx, tag);
        if (failed && exec__is_retryable(failed)) { /* its sessions are as good as gone */
            error_free(failed);
            failed = NULL;
        }
        if (!failed && enough && enough(enough_ctx, tag))
            break;
    }
    catalog_unref(v);
    return failed;
}

static struct error *each_session(struct exec__maker *m,
                                  struct error *(*give)(struct exec__maker *m,
                                                        const struct exec_activity *a))
{
    struct exec_session *s = m->run->s;
    struct gathering g = {m, give};
    struct exec_activity *all;
    if (!s->io.activity)
        return NULL;
    int n = s->io.activity(s->io.ctx, &m->run->arena, &all);
    for (int i = 0; i < n; i++)
        TRY(give(m, &all[i]));
    return exec__each_peer(s->exec, "SESSIONS", take_row, &g, NULL, NULL);
}

/* Sessions of other servers in a database. */
struct elsewhere {
    const char *database;
    int n;
    struct buf pids; /* int32_t */
};

static struct error *count_elsewhere(void *ctx, const struct value *v, int n)
{
    struct elsewhere *x = ctx;
    if (n != N_ACTIVITY)
        return error_new(E_PROTOCOL, "malformed list of sessions");
    if (v[2].kind != VALUE_TEXT || v[2].s.n != strlen(x->database) ||
        memcmp(v[2].s.p, x->database, v[2].s.n) != 0)
        return NULL;
    const int32_t pid = (int32_t)int_at(&v[0]);
    buf_append(&x->pids, &pid, sizeof(pid));
    x->n++;
    return NULL;
}

struct error *exec_sessions_elsewhere(struct exec *e, const char *database, bool end, int *ret)
{
    struct elsewhere x = {.database = database};
    struct error *err = exec__each_peer(e, "SESSIONS", count_elsewhere, &x, NULL, NULL);
    for (int i = 0; i < x.n && end && !err; i++) {
        int32_t pid;
        memcpy(&pid, x.pids.data + (size_t)i * sizeof(pid), sizeof(pid));
        _cleanup_(mem_freep) char *text = mem_printf("SIGNAL %d 1", pid);
        err = exec__each_peer(e, text, NULL, NULL, NULL, NULL);
    }
    *ret = x.n;
    buf_done(&x.pids);
    return err;
}

static void put_time(struct exec__maker *m, const char *column, int64_t t)
{
    if (t)
        exec__put_int(m, column, t);
}

static void put_address(struct exec__maker *m, const char *address)
{
    struct value v;
    struct error *e =
        address ? type_parse(type_by_oid(OID_INET), address, strlen(address), -1, &m->arena, &v)
                : NULL;
    if (address && !e)
        exec__put(m, "client_addr", v);
    error_free(e);
}

static struct error *give_activity(struct exec__maker *m, const struct exec_activity *x)
{
    if (!exec__needs_int(m, "pid", x->pid))
        return NULL;
    exec__put_int(m, "datid", catalog_database_oid(m->view, x->database));
    exec__put_text(m, "datname", x->database);
    exec__put_int(m, "pid", x->pid);
    exec__put_int(m, "usesysid", EXEC__OWNER);
    exec__put_text(m, "usename", x->user);
    exec__put_text(m, "application_name", x->application);
    put_address(m, x->address);
    if (x->port)
        exec__put_int(m, "client_port", x->port);
    put_time(m, "backend_start", x->backend_start);
    put_time(m, "xact_start", x->xact_start);
    put_time(m, "query_start", x->query_start);
    put_time(m, "state_change", x->state_change);
    exec__put_text(m, "wait_event_type", x->wait_type);
    exec__put_text(m, "wait_event", x->wait_event);
    exec__put_text(m, "state", x->state);
    exec__put_text(m, "query", x->query);
    exec__put_text(m, "backend_type", "client backend");
    return exec__give(m);
}

static struct error *make_pg_stat_activity(struct exec__maker *m)
{
    return each_session(m, give_activity);
}

static struct error *give_ssl(struct exec__maker *m, const struct exec_activity *x)
{
    exec__put_int(m, "pid", x->pid);
    exec__put_int(m, "ssl", false);
    return exec__give(m);
}

static struct error *make_pg_stat_ssl(struct exec__maker *m)
{
    return each_session(m, give_ssl);
}

static struct error *give_gssapi(struct exec__maker *m, const struct exec_activity *x)
{
    exec__put_int(m, "pid", x->pid);
    exec__put_int(m, "gss_authenticated", false);
    exec__put_int(m, "encrypted", false);
    return exec__give(m);
}

static struct error *make_pg_stat_gssapi(struct exec__maker *m)
{
    return each_session(m, give_gssapi);
}

/* ---- pg_locks -------------------------------------------------------------------------------- */

/* See exec__advisory_list() */
static struct error *give_lock(void *ctx, const struct value *v, int n)
{
    struct exec__maker *m = ctx;
    if (n != EXEC__N_ADVISORY)
        return error_new(E_PROTOCOL, "malformed list of locks");
    exec__put_text(m, "locktype", "advisory");
    exec__put(m, "database", v[0]);
    exec__put(m, "classid", v[1]);
    exec__put(m, "objid", v[2]);
    exec__put(m, "objsubid", v[3]);
    exec__put_text(m, "virtualtransaction",
                   arena_printf(&m->arena, "%lld/0", (long long)int_at(&v[4])));
    exec__put(m, "pid", v[4]);
    exec__put_text(m, "mode", int_at(&v[5]) ? "ExclusiveLock" : "ShareLock");
    exec__put(m, "granted", v[6]);
    exec__put_int(m, "fastpath", false);
    put_time(m, "waitstart", int_at(&v[7]));
    return exec__give(m);
}

static struct error *make_pg_locks(struct exec__maker *m)
{
    return exec__advisory_list(m->run->s, false, give_lock, m);
}

/* ---- counters -------------------------------------------------------------------------------- */

enum whose { ALL, SYSTEM, USERS };

/* By the relation's own name: pg_stat_user_tables. */
static bool is_asked_for(const struct exec__maker *m, bool system)
{
    enum whose whose = strstr(m->table->name, "_user_")  ? USERS
                       : strstr(m->table->name, "_sys_") ? SYSTEM
                                                         : ALL;
    return whose == ALL || (whose == SYSTEM) == system;
}

/* What is not put, and counts, is zero. */
static void put_zeros(struct exec__maker *m)
{
    for (int i = 0; i < m->table->n_columns; i++) {
        const struct column *c = &m->table->columns[i];
        if (c->type == OID_INT8)
            exec__put_int(m, c->name, 0);
        else if (c->type == OID_FLOAT8)
            exec__put_real(m, c->name, 0);
    }
}

/* Of the server as a whole. */
static struct error *make_counters(struct exec__maker *m)
{
    put_zeros(m);
    exec__put_int(m, "stats_reset", m->run->s->exec->started);
    return exec__give(m);
}

static struct error *make_tables(struct exec__maker *m)
{
    const struct table *t;
    char kind;
    bool counts = exec__wants(m, "n_live_tup");
    for (size_t i = 0; (t = exec__next_relation(m->view, &i, &kind));) {
        bool system = t->id == 0;
        if ((kind != 'r' && kind != 'm') || !is_asked_for(m, system) ||
            !exec__needs_text(m, "relname", t->name) ||
            !exec__needs_text(m, "schemaname", t->schema) ||
            !exec__needs_int(m, "relid", catalog_table_oid(t)))
            continue;
        put_zeros(m);
        exec__put_int(m, "relid", catalog_table_oid(t));
        exec__put_text(m, "schemaname", t->schema);
        exec__put_text(m, "relname", t->name);
        if (counts && !system)
            exec__put_int(m, "n_live_tup", MAX(exec__row_count(m->run->e, t), (int64_t)0));
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_indexes(struct exec__maker *m)
{
    struct exec__index x;
    for (size_t i = 0; is_asked_for(m, false) && i < m->view->n_tables; i++) {
        const struct table *t = m->view->tables[i];
        if (!exec__needs_text(m, "relname", t->name) ||
            !exec__needs_int(m, "relid", catalog_table_oid(t)))
            continue;
        for (int k = 0; k < exec__n_indexes(t); k++) {
            if (!exec__index(t, k, &x))
                continue;
            put_zeros(m);
            exec__put_int(m, "relid", catalog_table_oid(t));
            exec__put_int(m, "indexrelid", x.oid);
            exec__put_text(m, "schemaname", t->schema);
            exec__put_text(m, "relname", t->name);
            exec__put_text(m, "indexrelname", x.name);
            TRY(exec__give(m));
        }
    }
    return NULL;
}

static struct error *make_sequences(struct exec__maker *m)
{
    for (size_t i = 0; is_asked_for(m, false) && i < m->view->n_sequences; i++) {
        const struct sequence *s = m->view->sequences[i];
        put_zeros(m);
        exec__put_int(m, "relid", catalog_oid(s->id));
        exec__put_text(m, "schemaname", s->schema);
        exec__put_text(m, "relname", s->name);
        TRY(exec__give(m));
    }
    return NULL;
}

/* How many sessions each database has. */
static struct error *count_session(struct exec__maker *m, const struct exec_activity *x)
{
    struct map *counts = &m->run->sessions;
    uintptr_t n = (uintptr_t)map_get_str(counts, x->database);
    map_put_str(counts, x->database, (void *)(n + 1));
    return NULL;
}

static struct error *give_database(struct exec__maker *m, uint32_t oid, const char *name)
{
    put_zeros(m);
    exec__put_int(m, "datid", oid);
    if (name)
        exec__put_text(m, "datname", name);
    exec__put_int(m, "numbackends",
                  (int64_t)(uintptr_t)map_get_str(&m->run->sessions, name ? name : ""));
    exec__put(m, "checksum_failures", (struct value){.kind = VALUE_NULL});
    return exec__give(m);
}

static struct error *each_database(struct exec__maker *m,
                                   struct error *(*give)(struct exec__maker *m, uint32_t oid,
                                                         const char *name))
{
    static const char *const always[] = {CATALOG_FIRST_DATABASE, "postgres"};
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        TRY(give(m, catalog_database_oid(m->view, always[i]), always[i]));
    TRY(give(m, 1, "template1"));
    TRY(give(m, 4, "template0"));
    for (size_t i = 0; i < m->view->n_objects; i++)
        if (m->view->objects[i]->kind == OBJ_DATABASE)
            TRY(give(m, catalog_oid(m->view->objects[i]->id), m->view->objects[i]->name));
    return NULL;
}

static struct error *give_conflicts(struct exec__maker *m, uint32_t oid, const char *name)
{
    put_zeros(m);
    exec__put_int(m, "datid", oid);
    exec__put_text(m, "datname", name);
    return exec__give(m);
}

static struct error *make_pg_stat_database_conflicts(struct exec__maker *m)
{
    return each_database(m, give_conflicts);
}

static struct error *make_pg_stat_database(struct exec__maker *m)
{
    struct error *e = each_session(m, count_session);
    if (!e)
        e = give_database(m, 0, NULL); /* of what belongs to all */
    if (!e)
        e = each_database(m, give_database);
    map_done(&m->run->sessions);
    m->run->sessions = (struct map){0};
    return e;
}

/* ---- the relations --------------------------------------------------------------------------- */

#define STAT_TABLE                                                                                 \
    "relid oid, schemaname name, relname name, seq_scan int8, seq_tup_read int8, idx_scan int8, "  \
    "idx_tup_fetch int8, n_tup_ins int8, n_tup_upd int8, n_tup_del int8, n_tup_hot_upd int8, "     \
    "n_live_tup int8, n_dead_tup int8, n_mod_since_analyze int8, n_ins_since_vacuum int8, "        \
    "last_vacuum timestamptz, last_autovacuum timestamptz, last_analyze timestamptz, "             \
    "last_autoanalyze timestamptz, vacuum_count int8, autovacuum_count int8, analyze_count int8, " \
    "autoanalyze_count int8"
#define STAT_INDEX                                                                                 \
    "relid oid, indexrelid oid, schemaname name, relname name, indexrelname name, idx_scan int8, " \
    "idx_tup_read int8, idx_tup_fetch int8"
#define STATIO_TABLE                                                                               \
    "relid oid, schemaname name, relname name, heap_blks_read int8, heap_blks_hit int8, "          \
    "idx_blks_read int8, idx_blks_hit int8, toast_blks_read int8, toast_blks_hit int8, "           \
    "tidx_blks_read int8, tidx_blks_hit int8"
#define STATIO_INDEX                                                                               \
    "relid oid, indexrelid oid, schemaname name, relname name, indexrelname name, idx_blks_read "  \
    "int8, idx_blks_hit int8"
#define STATIO_SEQUENCE "relid oid, schemaname name, relname name, blks_read int8, blks_hit int8"

const struct exec__making exec__making_state[] = {
    {.schema = "pg_catalog", .relation = "pg_stat_archiver", .make = make_counters},
    {.schema = "pg_catalog", .relation = "pg_stat_bgwriter", .make = make_counters},
    {.schema = "pg_catalog", .relation = "pg_stat_wal", .make = make_counters},
    {.schema = "pg_catalog",
     .relation = "pg_stat_database_conflicts",
     .make = make_pg_stat_database_conflicts},
    {.schema = "pg_catalog", .relation = "pg_stat_xact_all_tables", .make = make_tables},
    {.schema = "pg_catalog", .relation = "pg_stat_xact_sys_tables", .make = make_tables},
    {.schema = "pg_catalog", .relation = "pg_stat_xact_user_tables", .make = make_tables},
    {"pg_catalog", "pg_locks", make_pg_locks, 12073,
     "locktype text, database oid, relation oid, page int4, tuple int2, virtualxid text, "
     "transactionid xid, classid oid, objid oid, objsubid int2, virtualtransaction text, pid int4, "
     "mode text, granted bool, fastpath bool, waitstart timestamptz"},
    {"pg_catalog", "pg_stat_activity", make_pg_stat_activity, 12222,
     "datid oid, datname name, pid int4, leader_pid int4, usesysid oid, usename name, "
     "application_name text, client_addr inet, client_hostname text, client_port int4, "
     "backend_start timestamptz, xact_start timestamptz, query_start timestamptz, state_change "
     "timestamptz, wait_event_type text, wait_event text, state text, backend_xid xid, "
     "backend_xmin xid, query_id int8, query text, backend_type text"},
    {"pg_catalog", "pg_stat_ssl", make_pg_stat_ssl, 12249,
     "pid int4, ssl bool, version text, cipher text, bits int4, client_dn text, client_serial "
     "numeric, issuer_dn text"},
    {"pg_catalog", "pg_stat_gssapi", make_pg_stat_gssapi, 12253,
     "pid int4, gss_authenticated bool, principal text, encrypted bool"},
    {"pg_catalog", "pg_stat_database", make_pg_stat_database, 12266,
     "datid oid, datname name, numbackends int4, xact_commit int8, xact_rollback int8, blks_read "
     "int8, blks_hit int8, tup_returned int8, tup_fetched int8, tup_inserted int8, tup_updated "
     "int8, tup_deleted int8, conflicts int8, temp_files int8, temp_bytes int8, deadlocks int8, "
     "checksum_failures int8, checksum_last_failure timestamptz, blk_read_time float8, "
     "blk_write_time float8, session_time float8, active_time float8, idle_in_transaction_time "
     "float8, sessions int8, sessions_abandoned int8, sessions_fatal int8, sessions_killed int8, "
     "stats_reset timestamptz"},
    {"pg_catalog", "pg_stat_all_tables", make_tables, 12142, STAT_TABLE},
    {"pg_catalog", "pg_stat_sys_tables", make_tables, 12152, STAT_TABLE},
    {"pg_catalog", "pg_stat_user_tables", make_tables, 12161, STAT_TABLE},
    {"pg_catalog", "pg_stat_all_indexes", make_indexes, 12183, STAT_INDEX},
    {"pg_catalog", "pg_stat_sys_indexes", make_indexes, 12188, STAT_INDEX},
    {"pg_catalog", "pg_stat_user_indexes", make_indexes, 12192, STAT_INDEX},
    {"pg_catalog", "pg_statio_all_tables", make_tables, 12170, STATIO_TABLE},
    {"pg_catalog", "pg_statio_sys_tables", make_tables, 12175, STATIO_TABLE},
    {"pg_catalog", "pg_statio_user_tables", make_tables, 12179, STATIO_TABLE},
    {"pg_catalog", "pg_statio_all_indexes", make_indexes, 12196, STATIO_INDEX},
    {"pg_catalog", "pg_statio_sys_indexes", make_indexes, 12201, STATIO_INDEX},
    {"pg_catalog", "pg_statio_user_indexes", make_indexes, 12205, STATIO_INDEX},
    {"pg_catalog", "pg_statio_all_sequences", make_sequences, 12209, STATIO_SEQUENCE},
    {"pg_catalog", "pg_statio_sys_sequences", make_sequences, 12214, STATIO_SEQUENCE},
    {"pg_catalog", "pg_statio_user_sequences", make_sequences, 12218, STATIO_SEQUENCE},
    {0}};
