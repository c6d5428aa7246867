/*
 * How a session begins: what comes before the first query.
 *
 *   [SSLRequest | GSSENCRequest -> 'N']  StartupMessage -> AuthenticationOk, ParameterStatus..,
 * BackendKeyData, ReadyForQuery CancelRequest -> the connection closes
 *
 * Everybody who reaches the port is let in, as a client or as another server: it is on loopback,
 * or the operator said that nobody else reaches it (gateway_listen sees to that).
 */
#include "gateway/gateway_int.h"

static const char *option(const struct pgwire_start *p, const char *name)
{
    for (int i = 0; i < p->n; i++)
        if (!strcmp(p->names[i], name))
            return p->values[i];
    return NULL;
}

/* ---- cancelling --------------------------------------------------------------------------- */

static void cancel(struct gateway *g, uint32_t pid, uint32_t secret)
{
    pthread_mutex_lock(&g->lock);
    struct session *s = map_get_u64(&g->by_pid, pid);
    if (s && s->secret == secret)
        session__cancel(s);
    pthread_mutex_unlock(&g->lock);
}

/* ---- options ------------------------------------------------------------------------------ */

/* One of -c name=value, --name=value. */
static struct error *set_option(struct session *s, char *assignment)
{
    char *equals = strchr(assignment, '=');
    if (!equals)
        return error_new(E_SYNTAX, "invalid command-line argument for server process: %s",
                         assignment);
    *equals = 0;
    for (char *p = assignment; *p; p++)
        if (*p == '-')
            *p = '_';
    if (!strcmp(assignment, "minisql.internal")) {
        mem_free(s->peer);
        s->peer = mem_strdup(equals + 1);
        s->internal = true;
        return NULL;
    }
    return settings__set(s, assignment, equals + 1, false);
}

/* The next word of `options`, where a backslash makes the next byte plain. NULL: no more. */
static char *next_word(const char **at, struct arena *a)
{
    const char *p = *at;
    p += strspn(p, " \t\n\r\f\v");
    if (!*p)
        return NULL;
    char *word = arena_alloc(a, strlen(p) + 1);
    size_t n = 0;
    for (; *p && !strchr(" \t\n\r\f\v", *p); p++) {
        if (*p == '\\' && p[1])
            p++;
        word[n++] = *p;
    }
    *at = p;
    return word;
}

static struct error *apply_options(struct session *s, const char *options)
{
    struct arena *a = &s->worker->arena;
    for (char *word; (word = next_word(&options, a));) {
        if (!strcmp(word, "-c")) {
            word = next_word(&options, a);
            if (!word)
                return error_new(E_SYNTAX, "-c requires a value");
        } else if (!strncmp(word, "-c", 2) || !strncmp(word, "--", 2)) {
            word += 2;
        } else {
            return error_new(E_SYNTAX, "invalid command-line argument for server process: %s",
                             word);
        }
        TRY(set_option(s, word));
    }
    return NULL;
}

static struct error *apply_parameter(struct session *s, const char *name, const char *value)
{
    if (!strcmp(name, "user") || !strcmp(name, "database") || !strcmp(name, "options") ||
        !strncmp(name, "_pq_.", 5))
        return NULL;
    if (!strcmp(name, "replication"))
        return error_new(E_UNSUPPORTED, "replication connections are not supported");
    return settings__set(s, name, value, false);
}

/* What has a name of its own in the packet is stronger than the same within `options`. */
static struct error *apply_parameters(struct session *s, const struct pgwire_start *p)
{
    for (int i = 0; i < p->n; i++)
        if (!strcmp(p->names[i], "options"))
            TRY(apply_options(s, p->values[i]));
    for (int i = 0; i < p->n; i++)
        TRY(apply_parameter(s, p->names[i], p->values[i]));
    return NULL;
}

/* ---- who may come in ---------------------------------------------------------------------- */

static struct error *count_in(struct session *s)
{
    struct gateway *g = s->gateway;
    struct error *e = NULL;
    pthread_mutex_lock(&g->lock);
    if (atomic_load(&g->draining))
        e = error_new(E_UNAVAILABLE, "the database system is shutting down");
    else if (!s->internal && g->clients >= g->o.max_connections)
        e = error_hint(error_new(E_TOO_MANY_CONNECTIONS, "sorry, too many clients already"),
                       "This server allows %u connections; start it with a larger "
                       "--max-connections, or connect to another server.",
                       g->o.max_connections);
    if (!e) {
        (*(s->internal ? &g->peers : &g->clients))++;
        s->counted = true;
    }
    pthread_mutex_unlock(&g->lock);
    return e;
}

static struct error *check_database(const struct session *s, const char *database)
{
    const struct catalog_view *v;
    if (s->internal)
        return NULL;
    if (!s->gateway->o.clients)
        return error_hint(error_new(E_UNAVAILABLE, "this server does not take clients"),
                          "Its --roles are without gateway: connect to another server.");
    if (!strcmp(database, "template0"))
        return error_new("55000", "database \"%s\" is not currently accepting connections",
                         database);
    struct error *e = catalog_view_database(s->gateway->o.catalog, database, &v);
    if (e) { /* perhaps made a moment ago, elsewhere */
        error_free(catalog_refresh(s->gateway->o.catalog, 1000));
        error_free(e);
        e = catalog_view_database(s->gateway->o.catalog, database, &v);
    }
    if (!e)
        catalog_unref(v);
    return e;
}

static void negotiate(struct session *s, const struct pgwire_start *p)
{
    const char *unknown[PGWIRE_MAX_STARTUP_OPTIONS];
    int n = 0;
    for (int i = 0; i < p->n; i++)
        if (!strncmp(p->names[i], "_pq_.", 5))
            unknown[n++] = p->names[i];
    if (n || p->minor)
        pgwire_put_negotiate(&s->out, 0, unknown, n);
}

static struct error *begin(struct session *s, const struct pgwire_start *p)
{
    const char *user = option(p, "user");
    if (!user || !*user)
        return error_new("28000", "no PostgreSQL user name specified in startup packet");
    s->user = mem_strdup(user);
    const char *database = option(p, "database");
    pthread_mutex_lock(&s->gateway->lock);
    s->database = mem_strdup(database && *database ? database : user);
    pthread_mutex_unlock(&s->gateway->lock);
    settings__derive(s);
    negotiate(s, p);
    TRY(apply_parameters(s, p));
    TRY(check_database(s, s->database));
    TRY(count_in(s));
    const struct exec_session_io io = settings__io(s);
    struct exec_session_options o = {.user = s->user,
                                     .database = s->database,
                                     .pid = (int32_t)s->pid,
                                     .internal = s->internal,
                                     .io = &io};
    struct exec_session *exec = exec_session_new(s->gateway->o.exec, &o);
    exec_attend(exec);
    pthread_mutex_lock(&s->gateway->lock);
    s->exec = exec;
    pthread_mutex_unlock(&s->gateway->lock);
    return NULL;
}

static void start_session(struct session *s, const struct pgwire_start *p)
{
    struct error *e = begin(s, p);
    if (e) {
        log_debug("conn=%u: refused: %s", s->pid, e->message);
        session__fatal(s, e);
        return;
    }
    s->started = true;
    log_debug("conn=%u: %s \"%s\" connected", s->pid, s->internal ? "server" : "user",
              s->internal ? s->peer : s->user);
    pgwire_put_auth_ok(&s->out);
    settings__started(s);
    pgwire_put_key(&s->out, s->pid, s->secret);
    session__ready(s);
}

void startup__message(struct session *s, const struct pgwire_frame *f)
{
    struct pgwire_start p;
    struct error *e = pgwire_decode_start(f, &p);
    if (e) {
        (p.kind == PGWIRE_START_SESSION ? session__fatal : session__not_a_client)(s, e);
        return;
    }
    switch (p.kind) {
    case PGWIRE_START_SSL:
    case PGWIRE_START_GSSENC:
        buf_append(&s->out, "N", 1);
        s->flush = true;
        break;
    case PGWIRE_START_CANCEL:
        cancel(s->gateway, p.cancel_pid, p.cancel_secret);
        s->closing = true;
        break;
    case PGWIRE_START_SESSION:
        start_session(s, &p);
    }
}
