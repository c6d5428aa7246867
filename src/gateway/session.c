/*
 * One session: served by a thread while its client sends, parked when it does not.
 *
 *   starting --startup.c--> started --simple.c, extended.c, internal.c, message by message-->
 * closing
 *
 * While parked it keeps only what it must: no buffers unless half a message has come, no arenas.
 */
#include "gateway/gateway_int.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- life --------------------------------------------------------------------------------- */

struct session *session__new(struct gateway *g, int fd)
{
    struct session *s = NEW(struct session);
    s->gateway = g;
    s->fd = fd;
    s->txn = 'I';
    s->born_ms = clock_ms();
    s->secret = (uint32_t)random_u64();
    settings__init(&s->settings);
    activity__init(s);
    pthread_mutex_lock(&g->lock);
    do
        g->next_pid = (g->next_pid + 1) & 0xfffff;
    while (!g->next_pid || map_get_u64(&g->by_pid, g->pid_base | g->next_pid));
    s->pid = g->pid_base | g->next_pid;
    map_put_u64(&g->by_pid, s->pid, s);
    s->next = g->sessions;
    if (s->next)
        s->next->prev = s;
    g->sessions = s;
    pthread_mutex_unlock(&g->lock);
    return s;
}

static void unlink_session(struct session *s)
{
    struct gateway *g = s->gateway;
    pthread_mutex_lock(&g->lock);
    map_remove_u64(&g->by_pid, s->pid);
    if (s->prev)
        s->prev->next = s->next;
    else
        g->sessions = s->next;
    if (s->next)
        s->next->prev = s->prev;
    if (s->counted)
        (*(s->internal ? &g->peers : &g->clients))--;
    close(s->fd);
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

void session__free(struct session *s)
{
    struct gateway *g = s->gateway;
    pthread_mutex_lock(&g->lock); /* nobody cancels it any more */
    struct exec_session *exec = s->exec;
    s->exec = NULL;
    pthread_mutex_unlock(&g->lock);
    exec_session_free(exec);
    if (s->started)
        log_debug("conn=%u: ended", s->pid);
    extended__drop_statements(s);
    extended__drop_portals(s);
    notify__free(s);
    arena_done(&s->unnamed_portal.arena);
    map_done(&s->statements);
    map_done(&s->portals);
    void *text;
    for (size_t i = 0; map_next(&s->internal_texts, &i, &text);)
        mem_free(text);
    map_done(&s->internal_texts);
    buf_done(&s->internal_args);
    if (settings__timed(&s->settings))
        pool__timed(g, -1);
    settings__done(&s->settings);
    buf_done(&s->in);
    buf_done(&s->out);
    mem_free(s->user);
    mem_free(s->database);
    mem_free(s->names);
    mem_free(s->peer);
    mem_free(s->isolation);
    unlink_session(s);
    activity__done(s);
    mem_free(s);
}

void session__terminate(struct session *s, enum terminate why)
{
    int no = TERMINATE_NO;
    if (!atomic_compare_exchange_strong(&s->terminate, &no, why))
        return;
    shutdown(s->fd, SHUT_RD); /* wakes whoever reads from it, or epoll */
}

int session__in_database(struct session *s, const char *database, bool end)
{
    struct gateway *g = s->gateway;
    int n = 0;
    pthread_mutex_lock(&g->lock);
    for (struct session *o = g->sessions; o; o = o->next) {
        if (o == s || o->internal || !o->database || strcmp(o->database, database) != 0)
            continue;
        n++;
        if (end)
            session__terminate(o, TERMINATE_SHUTDOWN);
    }
    pthread_mutex_unlock(&g->lock);
    return n;
}

/* Of `leave` and `between` each side writes one and then reads the other: either the session's
 * thread sees that it has to leave before it takes up another message, or we see that it did not
 * wait for one. */
void session__leave(struct session *s)
{
    atomic_store(&s->leave, true);
    if (atomic_load(&s->between))
        shutdown(s->fd, SHUT_RD);
}

static bool leaves(const struct session *s)
{
    return atomic_load(&s->leave) && atomic_load(&s->between);
}

void session__cancel(struct session *s)
{
    atomic_store(&s->cancel, true);
    if (s->exec)
        exec_cancel(s->exec);
}

/* ---- what is said to the client ----------------------------------------------------------- */

/* COPY has reasons of its own. */
static bool is_plain_cancel(const struct error *e)
{
    return error_is(e, E_CANCELED) &&
           !strcmp(e->message, "canceling statement due to user request");
}

/* Class MS is for servers only; cancellations say who asked. */
static void for_clients(struct session *s, struct error *e)
{
    const char *text = NULL;
    if (error_is(e, E_NOT_PRIMARY)) {
        memcpy(e->sqlstate, E_UNAVAILABLE, 6);
        text = "the table's primary server is not reachable";
    } else if (error_is(e, E_STALE_SCHEMA)) {
        memcpy(e->sqlstate, E_SERIALIZATION, 6);
        log_failure(LOG_WARN, e, "a statement was planned in vain");
        text = "the schema kept changing while the statement was planned";
    } else if (is_plain_cancel(e)) {
        text = atomic_load(&s->timed_out) ? "canceling statement due to statement timeout"
                                          : "canceling statement due to user request";
    }
    if (!text)
        return;
    mem_free(e->message);
    e->message = mem_strdup(text);
    if (!error_is(e, E_CANCELED)) {
        mem_free(e->detail);
        e->detail = NULL;
        if (!e->hint)
            e->hint = mem_strdup("Try again.");
    }
}

static struct error *why_terminated(int why)
{
    switch (why) {
    case TERMINATE_IDLE_TXN:
        return error_new("25P03", "terminating connection due to idle-in-transaction timeout");
    case TERMINATE_IDLE:
        return error_new("57P05", "terminating connection due to idle-session timeout");
    case TERMINATE_LOCKS:
        return error_detail(error_new(E_SHUTDOWN, "terminating connection due to loss of its "
                                                  "advisory locks"),
                            "The server that kept them, or the way to it, was lost.");
    case TERMINATE_STARTUP:
        return error_new(E_CANCELED, "canceling authentication due to timeout");
    default:
        return error_new(E_SHUTDOWN, "terminating connection due to administrator command");
    }
}

void session__report(struct session *s, struct error *e, const char *where)
{
    int why = atomic_load(&s->terminate);
    if (why && !s->internal && error_is(e, E_CANCELED)) {
        error_free(e);
        if (!s->closing)
            session__fatal(s, why_terminated(why));
        return;
    }
    if (!s->internal)
        for_clients(s, e);
    if (error_is(e, E_INTERNAL) || error_is(e, E_DAMAGED) || error_is(e, E_IO))
        log_failure(LOG_WARN, e, "conn=%u", s->pid);
    size_t at = s->out.len;
    pgwire_put_error(&s->out, "ERROR", e, where);
    recode__sent(s, at);
    error_free(e);
    s->flush = true; /* a client may wait for it before it sends a Sync */
    if (!s->internal)
        transaction__failed(s);
}

void session__fatal(struct session *s, struct error *e)
{
    size_t at = s->out.len;
    pgwire_put_error(&s->out, "FATAL", e, NULL);
    recode__sent(s, at);
    error_free(e);
    s->closing = s->flush = true;
}

void session__not_a_client(struct session *s, struct error *e)
{
    log_info("conn=%u: %s", s->pid, e->message);
    error_free(e);
    s->closing = true;
}

void session__notice(struct session *s, enum notice_level level, const char *sqlstate,
                     const char *format, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    session__notice_text(s, level, sqlstate, text, NULL);
}

void session__notice_text(struct session *s, enum notice_level level, const char *sqlstate,
                          const char *message, const char *detail)
{
    static const char *const names[] = {"DEBUG", "LOG", "INFO", "NOTICE", "WARNING"};
    if (level < s->settings.min_messages && level != NOTICE_INFO)
        return;
    struct error *e = error_new(sqlstate, "%s", message);
    if (detail)
        error_detail(e, "%s", detail);
    size_t at = s->out.len;
    pgwire_put_error(&s->out, names[level], e, NULL);
    recode__sent(s, at);
    error_free(e);
    s->flush = true;
}

void session__ready(struct session *s)
{
    char state = s->txn;
    int why = atomic_load(&s->terminate);
    if (s->closing) /* what was said was the last word */
        return;
    if (why && !s->internal) { /* by a function of the statement, or while it ran */
        session__fatal(s, why_terminated(why));
        return;
    }
    if (s->internal)
        state = exec_in_transaction(s->exec) ? 'T' : 'I';
    else
        activity__idle(s, state);
    if (state == 'I')
        notify__take(s);
    pgwire_put_ready(&s->out, state);
    s->flush = true;
    if (!s->internal && s->in_pos < s->in.len) /* what follows may take its time */
        io__flush(s);
    atomic_store(&s->between, state == 'I');
}

/* ---- messages ----------------------------------------------------------------------------- */

static void not_recoded(struct session *s, const struct pgwire_frame *f, struct error *e)
{
    if (s->skip_to_sync) {
        error_free(e);
        return;
    }
    session__report(s, e, NULL);
    s->skip_to_sync = f->type != 'Q';
    if (f->type == 'Q')
        session__ready(s);
}

static void started_message(struct session *s, struct pgwire_frame *f)
{
    struct error *e = s->encoding ? recode__message(s, f) : NULL;
    if (e) {
        not_recoded(s, f, e);
        return;
    }
    if (s->skip_to_sync && (f->type == 'Q' || f->type == 'F'))
        return;
    switch (f->type) {
    case 'X':
        s->closing = true;
        return;
    case 'Q': {
        const char *text;
        e = pgwire_decode_query(f, &text);
        if (e)
            break;
        if (s->internal)
            internal__query(s, text);
        else
            simple__query(s, text);
        return;
    }
    case 'd':
    case 'c':
    case 'f':
        return; /* of a COPY that has failed already */
    case 'F':
        session__report(s,
                        error_hint(error_new(E_UNSUPPORTED, "function calls are not supported"),
                                   "Call the function in a SELECT."),
                        NULL);
        session__ready(s);
        return;
    case 'p':
        e = error_new(E_PROTOCOL, "unexpected password message");
        break;
    default:
        if (s->internal)
            internal__message(s, f);
        else
            extended__message(s, f);
        return;
    }
    session__fatal(s, e);
}

/* Handles one message. False: there is none in the buffer. */
static bool next_message(struct session *s)
{
    struct pgwire_frame f;
    size_t need = 0;
    if (s->in_pos == s->in.len)
        return false;
    struct error *e = pgwire_next_frame(s->started ? PGWIRE_RUNNING : PGWIRE_STARTING,
                                        s->in.data + s->in_pos, s->in.len - s->in_pos, &f, &need);
    if (e) {
        (s->started ? session__fatal : session__not_a_client)(s, e);
        return true;
    }
    if (need)
        return false;
    if (atomic_load(&s->between)) { /* see session__leave() */
        atomic_store(&s->between, false);
        if (atomic_load(&s->leave)) {
            atomic_store(&s->between, true);
            return true;
        }
    }
    s->in_pos += f.total;
    if (s->started && !s->internal) {
        s->style.now = exec_started(s->exec);
        if (s->shown.due)
            activity__begin(s);
    }
    if (s->started)
        started_message(s, &f);
    else
        startup__message(s, &f);
    arena_reset(&s->worker->arena);
    return true;
}

/* ---- serving ------------------------------------------------------------------------------ */

static void attach(struct worker *w, struct session *s)
{
    s->worker = w;
    exec_attend(s->exec);
    style_use(&s->style);
    types_random_use(&s->random);
    if (!s->in.data) {
        s->in = w->in;
        w->in = (struct buf){0};
    }
    if (!s->out.data) {
        s->out = w->out;
        w->out = (struct buf){0};
    }
}

/* Gives the buffers back, unless half a message is in them. */
static void detach(struct worker *w, struct session *s)
{
    exec_attend(NULL);
    style_use(NULL);
    types_random_use(NULL);
    if (s->in_pos == s->in.len) {
        buf_done(&w->in);
        buf_clear(&s->in);
        w->in = s->in;
        s->in = (struct buf){0};
        s->in_pos = 0;
    }
    if (!s->out.len) {
        buf_done(&w->out);
        w->out = s->out;
        s->out = (struct buf){0};
    }
    if (!s->has_unnamed_portal)
        arena_done(&s->unnamed_portal.arena);
    s->worker = NULL;
}

static void end(struct worker *w, struct session *s)
{
    int why = atomic_load(&s->terminate);
    bool leaving = !why && leaves(s);
    /* Who has not started yet may take an error for the answer to its SSLRequest, and then libpq
     * does not try another host: it is let go without a word. */
    bool listens = s->started || why == TERMINATE_STARTUP;
    if ((why || leaving) && listens && !s->broken && !s->internal && !s->closing)
        session__fatal(s, why_terminated(why));
    if (!s->broken && s->out.len) {
        if (!why)
            io__flush(s);
        else if (send(s->fd, s->out.data, s->out.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            log_debug("conn=%u: could not say goodbye", s->pid);
    }
    if (leaving) /* closing with something unread would reset the connection, and lose our words */
        while (recv(s->fd, s->in.data, s->in.cap, MSG_DONTWAIT) > 0)
            ;
    detach(w, s);
    session__free(s);
}

/* Waits for input, with the clock of idle_session_timeout, or its like in a transaction, running.
 */
static bool receive(struct session *s, bool *ret_quiet)
{
    uint32_t ms = s->txn == 'I' ? s->settings.idle_timeout_ms : s->settings.idle_txn_timeout_ms;
    if (ms && !s->internal && !atomic_load(&s->idle_deadline))
        atomic_store(&s->idle_deadline, clock_ms() + ms);
    if (!io__receive(s, false, ret_quiet))
        return false;
    if (*ret_quiet)
        return true;
    if (atomic_load(&s->idle_deadline))
        atomic_store(&s->idle_deadline, 0);
    s->shown.due = true;
    return true;
}

void session__serve(struct worker *w, struct session *s)
{
    attach(w, s);
    while (!s->broken && !s->closing && !atomic_load(&s->terminate) && !leaves(s)) {
        if (next_message(s))
            continue;
        if (atomic_load(&s->between))
            notify__take(s);
        bool quiet;
        if (!receive(s, &quiet))
            break;
        if (quiet && notify__listens(s)) {
            notify__wait(s);
        } else if (quiet) {
            detach(w, s);
            pool__park(s);
            return;
        }
    }
    end(w, s);
}
