/*
 * What sessions do, for pg_stat_activity, pg_cancel_backend() and pg_terminate_backend().
 *
 * A session notes the text of its statement, its state and when each changed; others read that
 * under gateway.lock, which keeps the session there, and the text under the session's own
 * shown.lock. The clock is the coarse one (4 ms): it is read once for all messages that came at the
 * same time, and when they are answered.
 */
#include "gateway/gateway_int.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 - 946684800000000;
}

static int64_t now_us(void)
{
    return read_clock(CLOCK_REALTIME_COARSE);
}

int64_t activity__moment(void)
{
    return read_clock(CLOCK_REALTIME);
}

void activity__init(struct session *s)
{
    pthread_mutex_init(&s->shown.lock, NULL);
    s->shown.backend_start = now_us();
    s->shown.due = true;
}

void activity__done(struct session *s)
{
    pthread_mutex_destroy(&s->shown.lock);
    entry__unref(s->shown.entry);
    mem_free(s->shown.query);
}

/* ---- noting -----------------------------------------------------------------------------------
 */

void activity__begin(struct session *s)
{
    int64_t now = now_us();
    s->shown.due = false;
    atomic_store_explicit(&s->shown.query_start, now, memory_order_relaxed);
    if (transaction__outside(s))
        atomic_store_explicit(&s->shown.xact_start, now, memory_order_relaxed);
    atomic_store_explicit(&s->shown.state_change, now, memory_order_relaxed);
    atomic_store_explicit(&s->shown.state, 'A', memory_order_relaxed);
}

/* As much of it as is shown */
static size_t shown_len(const char *text)
{
    enum { SHOWN_BYTES = 1023 };
    const char *end = memchr(text, 0, SHOWN_BYTES); /* strnlen() is libpg_query's slow one */
    size_t n = end ? (size_t)(end - text) : SHOWN_BYTES;
    while (n == SHOWN_BYTES && n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--; /* not within a character */
    return n;
}

void activity__query(struct session *s, const char *text)
{
    size_t n = shown_len(text);
    struct entry *before = s->shown.entry;
    s->sent = text;
    pthread_mutex_lock(&s->shown.lock);
    s->shown.entry = NULL;
    if (s->shown.cap <= n) {
        s->shown.cap = n + 1;
        s->shown.query = mem_realloc(s->shown.query, s->shown.cap);
    }
    memcpy(s->shown.query, text, n);
    s->shown.query[n] = 0;
    pthread_mutex_unlock(&s->shown.lock);
    entry__unref(before);
}

void activity__entry(struct session *s, struct entry *e)
{
    struct entry *before = s->shown.entry;
    s->sent = e->text;
    if (before == e) /* only this thread changes it */
        return;
    entry__ref(e);
    pthread_mutex_lock(&s->shown.lock);
    s->shown.entry = e;
    pthread_mutex_unlock(&s->shown.lock);
    entry__unref(before);
}

int64_t activity__now(const struct session *s)
{
    return atomic_load_explicit(&s->shown.query_start, memory_order_relaxed);
}

void activity__idle(struct session *s, char state)
{
    if (state == 'I')
        atomic_store_explicit(&s->shown.xact_start, 0, memory_order_relaxed);
    atomic_store_explicit(&s->shown.state_change, now_us(), memory_order_relaxed);
    atomic_store_explicit(&s->shown.state, state, memory_order_relaxed);
    s->sent = NULL;
    s->shown.due = true;
}

const char *activity__sent(void *ctx)
{
    return ((const struct session *)ctx)->sent;
}

void activity__name(struct session *s, const char *application)
{
    pthread_mutex_lock(&s->shown.lock);
    snprintf(s->shown.application, sizeof(s->shown.application), "%s", application);
    pthread_mutex_unlock(&s->shown.lock);
}

/* ---- telling ----------------------------------------------------------------------------------
 */

static const char *state_text(char state)
{
    return state == 'A'   ? "active"
           : state == 'T' ? "idle in transaction"
           : state == 'E' ? "idle in transaction (aborted)"
                          : "idle";
}

bool activity__address(void *ctx, bool server, struct arena *a, const char **ret_host,
                       int *ret_port)
{
    const struct session *s = ctx;
    struct sockaddr_storage end;
    struct sockaddr *to = (struct sockaddr *)&end;
    socklen_t len = sizeof(end);
    char host[64], port[16];
    if ((server ? getsockname(s->fd, to, &len) : getpeername(s->fd, to, &len)) != 0 ||
        getnameinfo(to, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return false;
    *ret_host = arena_strdup(a, host);
    *ret_port = atoi(port);
    return true;
}

/* gateway.lock is held. */
static void describe(struct session *s, struct arena *a, struct exec_activity *x)
{
    char state = atomic_load(&s->shown.state);
    *x = (struct exec_activity){.pid = (int32_t)s->pid,
                                .user = arena_strdup(a, s->user),
                                .database = arena_strdup(a, s->database),
                                .backend_start = s->shown.backend_start,
                                .xact_start = atomic_load(&s->shown.xact_start),
                                .query_start = atomic_load(&s->shown.query_start),
                                .state_change = atomic_load(&s->shown.state_change),
                                .state = state_text(state)};
    activity__address(s, false, a, &x->address, &x->port);
    pthread_mutex_lock(&s->shown.lock);
    const char *text = s->shown.entry ? s->shown.entry->text : s->shown.query;
    x->query = text ? arena_strndup(a, text, shown_len(text)) : "";
    x->application = arena_strdup(a, s->shown.application);
    pthread_mutex_unlock(&s->shown.lock);
    if (state != 'A') {
        x->wait_type = "Client";
        x->wait_event = "ClientRead";
    } else if (s->exec) {
        exec_waits_for(s->exec, &x->wait_type, &x->wait_event);
    }
}

int activity__list(void *ctx, struct arena *a, struct exec_activity **ret)
{
    const struct session *self = ctx;
    struct gateway *g = self->gateway;
    int n = 0;
    pthread_mutex_lock(&g->lock);
    *ret = ARENA_ARRAY(a, struct exec_activity, g->clients + 1);
    for (struct session *s = g->sessions; s && n < (int)g->clients; s = s->next)
        if (s->started && !s->internal)
            describe(s, a, &(*ret)[n++]);
    pthread_mutex_unlock(&g->lock);
    return n;
}

bool activity__signal(void *ctx, int32_t pid, bool terminate)
{
    const struct session *self = ctx;
    struct gateway *g = self->gateway;
    pthread_mutex_lock(&g->lock);
    struct session *s = map_get_u64(&g->by_pid, (uint64_t)(uint32_t)pid);
    bool found = s && s->started && !s->internal;
    if (found && terminate)
        session__terminate(s, TERMINATE_SHUTDOWN);
    if (found)
        session__cancel(s);
    pthread_mutex_unlock(&g->lock);
    return found;
}

void activity__warn(void *ctx, const char *sqlstate, const char *text)
{
    session__notice_text(ctx, NOTICE_WARNING, sqlstate, text, NULL);
}
