/*
 * LISTEN, NOTIFY, UNLISTEN, pg_notify().
 *
 * What a transaction asks for waits in the session until it commits, and goes with the savepoint
 * that undoes it. Then its notifications are put, as the messages that clients get, into the inbox
 * of each listening session of this server, and sent to the other servers' gateways, which do the
 * same. A session sends what is in its inbox before it says ReadyForQuery outside of a transaction,
 * or at once when it is waiting there.
 *
 *   session.notify  --commit-->  inbox of every listener here  --between two transactions--> client
 *                     \--NOTIFY--> the other gateways: the same
 *
 * A session that listens is not parked: it keeps its thread, which waits for its client and for an
 * eventfd. Between servers a notification is sent once: a gateway that can't be reached then misses
 * it. Notifications of one session arrive in their order; those of several sessions need not.
 */
#include "gateway/gateway_int.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    CHANNEL_MAX = 63,
    PAYLOAD_MAX = 7999,
    QUEUED_MAX = 1000000,        /* of one transaction */
    MESSAGE_BYTES = 256 * 1024,  /* to another server */
    INBOX_MAX = 64 * 1024 * 1024 /* a listener that does not read is cut off */
};

struct wish {
    enum query_kind kind;
    int depth; /* savepoints that there were */
    char *channel, *payload;
};

struct notify {
    int n, cap; /* of this transaction */
    struct wish *wishes;
    struct map seen;     /* channel \0 payload: PostgreSQL sends equal ones of a transaction once */
    struct map channels; /* listened to; guarded by gateway.lock */
    struct buf inbox;    /* guarded by gateway.lock */
    _Atomic bool full;   /* there is something in it */
    int wake_fd;         /* readable then; -1: not listening yet */
};

/* ---- what a transaction asks for ---------------------------------------------------------- */

static struct notify *notify_of(struct session *s)
{
    if (!s->notify) {
        struct notify *n = NEW(struct notify);
        n->wake_fd = -1;
        pthread_mutex_lock(&s->gateway->lock);
        s->notify = n;
        pthread_mutex_unlock(&s->gateway->lock);
    }
    return s->notify;
}

static void forget_wishes(struct notify *n, int keep)
{
    while (n->n > keep) {
        struct wish *w = &n->wishes[--n->n];
        mem_free(w->channel);
        mem_free(w->payload);
    }
    map_done(&n->seen);
    n->seen = (struct map){0};
}

static bool is_repeated(struct notify *n, const char *channel, const char *payload)
{
    _cleanup_(buf_done) struct buf key = {0};
    buf_append(&key, channel, strlen(channel) + 1);
    buf_puts(&key, payload);
    return map_put(&n->seen, key.data, key.len, n) != NULL;
}

static struct error *wish(struct session *s, enum query_kind kind, const char *channel,
                          const char *payload)
{
    struct notify *n = notify_of(s);
    if (n->n >= QUEUED_MAX)
        return error_new("54000", "too many notifications in the NOTIFY queue");
    if (kind == QUERY_NOTIFY && is_repeated(n, channel, payload))
        return NULL;
    if (n->n == n->cap) {
        n->cap = MAX(8, n->cap * 2);
        n->wishes = mem_realloc(n->wishes, (size_t)n->cap * sizeof(*n->wishes));
    }
    n->wishes[n->n++] = (struct wish){.kind = kind,
                                      .depth = exec_savepoints(s->exec),
                                      .channel = channel ? mem_strdup(channel) : NULL,
                                      .payload = payload ? mem_strdup(payload) : NULL};
    return NULL;
}

/* Every way to notify goes through here. */
static struct error *notify(struct session *s, const char *channel, const char *payload)
{
    if (!*channel)
        return error_new("22023", "channel name cannot be empty");
    if (strlen(channel) > CHANNEL_MAX)
        return error_new("22023", "channel name too long");
    if (strlen(payload) > PAYLOAD_MAX)
        return error_new("22023", "payload string too long");
    return wish(s, QUERY_NOTIFY, channel, payload);
}

struct error *notify__call(void *ctx, const char *channel, const char *payload)
{
    return notify(ctx, channel, payload);
}

struct error *notify__run(struct session *s, const struct query *q)
{
    TRY(q->kind == QUERY_NOTIFY ? notify(s, q->notify.channel, q->notify.payload)
                                : wish(s, q->kind, q->notify.channel, NULL));
    if (transaction__outside(s))
        notify__transaction_end(s, true);
    return NULL;
}

void notify__undone(struct session *s, int depth)
{
    struct notify *n = s->notify;
    int keep = 0;
    if (!n || !n->n)
        return;
    while (keep < n->n && n->wishes[keep].depth <= depth)
        keep++;
    forget_wishes(n, keep);
    for (int i = 0; i < keep; i++)
        if (n->wishes[i].kind == QUERY_NOTIFY)
            is_repeated(n, n->wishes[i].channel, n->wishes[i].payload);
}

void notify__released(struct session *s, int depth)
{
    for (int i = 0; s->notify && i < s->notify->n; i++)
        s->notify->wishes[i].depth = MIN(s->notify->wishes[i].depth, depth);
}

/* ---- delivering --------------------------------------------------------------------------- */

/* To one session; gateway.lock is held. */
static void put_into_inbox(struct session *s, uint32_t pid, const char *channel,
                           const char *payload)
{
    struct notify *n = s->notify;
    if (n->inbox.len > INBOX_MAX) {
        log_warn("conn=%u: does not take its notifications: cut off", s->pid);
        session__terminate(s, TERMINATE_SHUTDOWN);
        return;
    }
    pgwire_put_notification(&n->inbox, pid, channel, payload);
    uint64_t one = 1;
    if (!atomic_exchange(&n->full, true) && write(n->wake_fd, &one, sizeof(one)) < 0)
        log_debug("conn=%u: could not be woken: %s", s->pid, strerror(errno));
}

static void deliver(struct gateway *g, uint32_t pid, const char *channel, const char *payload)
{
    pthread_mutex_lock(&g->lock);
    for (struct session *s = g->listening ? g->sessions : NULL; s; s = s->next)
        if (s->notify && map_get_str(&s->notify->channels, channel))
            put_into_inbox(s, pid, channel, payload);
    pthread_mutex_unlock(&g->lock);
}

/* The body of a peer's NOTIFY: "<pid> <length> <length>\n<channel><payload>\n", any number. */
struct error *notify__from_peer(struct gateway *g, const char *text)
{
    while (*text) {
        unsigned pid;
        size_t n_channel, n_payload;
        int head = 0;
        if (sscanf(text, "%u %zu %zu%n", &pid, &n_channel, &n_payload, &head) < 3 || !head ||
            text[head] != '\n' || n_channel > CHANNEL_MAX || n_payload > PAYLOAD_MAX ||
            strnlen(text + head + 1, n_channel + n_payload + 1) != n_channel + n_payload + 1)
            return error_new(E_PROTOCOL, "malformed notification from another server");
        text += head + 1;
        _cleanup_(mem_freep) char *channel = mem_strndup(text, n_channel);
        _cleanup_(mem_freep) char *payload = mem_strndup(text + n_channel, n_payload);
        deliver(g, pid, channel, payload);
        text += n_channel + n_payload + 1;
    }
    return NULL;
}

/* gateway.lock is held. */
static void listen_to(struct session *s, const struct wish *w)
{
    struct notify *n = s->notify;
    bool listened = n->channels.len > 0;
    if (w->kind == QUERY_LISTEN)
        map_put_str(&n->channels, w->channel, n);
    else if (w->channel)
        map_remove_str(&n->channels, w->channel);
    if (!w->channel || n->channels.len == 0)
        map_done(&n->channels);
    bool listens = n->channels.len > 0;
    s->gateway->listening += (unsigned)listens - (unsigned)listened;
    if (listens && n->wake_fd < 0)
        n->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void send_all(struct session *s)
{
    struct notify *n = s->notify;
    _cleanup_(buf_done) struct buf text = {0};
    for (int i = 0; i < n->n; i++) {
        const struct wish *w = &n->wishes[i];
        if (w->kind != QUERY_NOTIFY)
            continue;
        deliver(s->gateway, s->pid, w->channel, w->payload);
        buf_printf(&text, "%u %zu %zu\n%s%s\n", s->pid, strlen(w->channel), strlen(w->payload),
                   w->channel, w->payload);
        if (text.len > MESSAGE_BYTES) {
            exec_notify_peers(s->gateway->o.exec, text.data);
            buf_clear(&text);
        }
    }
    if (text.len)
        exec_notify_peers(s->gateway->o.exec, text.data);
}

void notify__transaction_end(struct session *s, bool committed)
{
    struct notify *n = s->notify;
    if (!n || !n->n)
        return;
    pthread_mutex_lock(&s->gateway->lock);
    for (int i = 0; committed && i < n->n; i++)
        if (n->wishes[i].kind != QUERY_NOTIFY)
            listen_to(s, &n->wishes[i]);
    pthread_mutex_unlock(&s->gateway->lock);
    if (committed)
        send_all(s);
    forget_wishes(n, 0);
}

/* ---- the listener's side ------------------------------------------------------------------ */

bool notify__listens(const struct session *s)
{
    return s->notify && s->notify->channels.len > 0; /* only this thread changes it */
}

void notify__take(struct session *s)
{
    struct notify *n = s->notify;
    uint64_t count;
    if (!n || !atomic_load(&n->full))
        return;
    /* in this order: who finds it not full from here on wakes us again */
    if (read(n->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        log_debug("conn=%u: eventfd: %s", s->pid, strerror(errno));
    atomic_store(&n->full, false);
    pthread_mutex_lock(&s->gateway->lock);
    size_t at = s->out.len;
    buf_append(&s->out, n->inbox.data, n->inbox.len);
    buf_done(&n->inbox);
    pthread_mutex_unlock(&s->gateway->lock);
    recode__sent(s, at);
    s->flush = true;
}

void notify__wait(struct session *s)
{
    struct pollfd p[2] = {{.fd = s->fd, .events = POLLIN | POLLRDHUP},
                          {.fd = s->notify->wake_fd, .events = POLLIN}};
    /* in a transaction its notifications wait; session__terminate and _leave wake the first one */
    poll(p, s->txn == 'I' ? 2 : 1, s->notify->wake_fd < 0 ? 1000 : -1);
}

void notify__free(struct session *s)
{
    struct notify *n = s->notify;
    if (!n)
        return;
    forget_wishes(n, 0);
    pthread_mutex_lock(&s->gateway->lock);
    if (n->channels.len)
        s->gateway->listening--;
    map_done(&n->channels);
    buf_done(&n->inbox);
    fd_closep(&n->wake_fd);
    s->notify = NULL;
    pthread_mutex_unlock(&s->gateway->lock);
    mem_free(n->wishes);
    mem_free(n);
}

int notify__channels(struct session *s, struct arena *a, const char ***ret)
{
    const char *name;
    size_t len;
    void *v;
    int n = 0;
    *ret = ARENA_ARRAY(a, const char *, s->notify ? s->notify->channels.len + 1 : 1);
    for (size_t i = 0; s->notify && map_next_key(&s->notify->channels, &i, &name, &len, &v);)
        (*ret)[n++] = arena_strndup(a, name, len); /* only this thread changes them */
    return n;
}
