/*
 * A session's bytes. Output is collected and sent when the session waits for input, or when there
 * is much of it; input is read in pieces as large as the last one was full, and messages are cut
 * out of it in place.
 *
 * The socket blocks, with SO_RCVTIMEO of QUIET_MS: one recv() both waits for the next message of a
 * busy client and says when the client went quiet.
 */
#include "gateway/gateway_int.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum { READ_MIN = 8 * 1024, READ_MAX = 256 * 1024 };

void io__bound_silence(struct session *s, unsigned ms)
{
    setsockopt(s->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

bool io__flush(struct session *s)
{
    size_t sent = 0;
    while (sent < s->out.len && !s->broken) {
        ssize_t n = send(s->fd, s->out.data + sent, s->out.len - sent, MSG_NOSIGNAL);
        if (n >= 0)
            sent += (size_t)n;
        else if ((errno == EAGAIN || errno == EINTR) && !atomic_load(&s->terminate))
            continue; /* a slow reader: the cut comes from session__terminate or the network */
        else
            s->broken = true;
    }
    s->flushed += sent;
    s->flush = false;
    buf_clear(&s->out);
    return !s->broken;
}

/* Room for the next read: what was consumed goes, and a full buffer grows. */
static size_t make_room(struct session *s)
{
    if (s->in_pos == s->in.len) {
        buf_clear(&s->in);
        s->in_pos = 0;
    } else if (s->in_pos && s->in.cap - s->in.len < READ_MIN) {
        memmove(s->in.data, s->in.data + s->in_pos, s->in.len - s->in_pos);
        s->in.len -= s->in_pos;
        s->in_pos = 0;
    }
    if (s->in.cap - s->in.len < READ_MIN)
        buf_reserve(&s->in, READ_MIN);
    return MIN(s->in.cap - s->in.len - 1, (size_t)READ_MAX);
}

bool io__receive(struct session *s, bool wait, bool *ret_quiet)
{
    if (s->flush && !io__flush(s))
        return false;
    *ret_quiet = false;
    size_t room = make_room(s);
    while (!s->broken) {
        ssize_t n = recv(s->fd, s->in.data + s->in.len, room, 0);
        if (n > 0) {
            s->in.len += (size_t)n;
            s->in.data[s->in.len] = 0;
            if ((size_t)n == room && s->in.cap < READ_MAX) /* there is more: read more at once */
                buf_reserve(&s->in, s->in.cap);
            return true;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            /* or was it us who shut the reading side? */
            s->broken = !atomic_load(&s->terminate) && !atomic_load(&s->leave);
            return false;
        }
        if (atomic_load(&s->terminate))
            return false;
        if (!wait) {
            *ret_quiet = true;
            return true;
        }
        if (atomic_load(&s->cancel))
            return true; /* the caller looks at it */
    }
    return false;
}

bool io__peek(struct session *s, size_t *offset, struct pgwire_frame *ret)
{
    size_t need = 0;
    struct error *e = pgwire_next_frame(PGWIRE_RUNNING, s->in.data + s->in_pos + *offset,
                                        s->in.len - s->in_pos - *offset, ret, &need);
    if (e || need) {
        error_free(e);
        return false;
    }
    *offset += ret->total;
    return true;
}

static struct error *interrupted(struct session *s)
{
    if (atomic_load(&s->timed_out))
        return error_new(E_CANCELED, "canceling statement due to statement timeout");
    return error_new(E_CANCELED, "canceling statement due to user request");
}

struct error *io__next(struct session *s, struct pgwire_frame *ret)
{
    for (;;) {
        size_t need = 0;
        TRY(pgwire_next_frame(PGWIRE_RUNNING, s->in.data + s->in_pos, s->in.len - s->in_pos, ret,
                              &need));
        if (!need) {
            s->in_pos += ret->total;
            return NULL;
        }
        bool quiet;
        if (!io__receive(s, true, &quiet))
            return atomic_load(&s->terminate)
                       ? error_new(E_SHUTDOWN, "terminating connection due to administrator "
                                               "command")
                       : error_new(E_CONNECTION, "unexpected EOF on client connection");
        if (atomic_load(&s->cancel))
            return interrupted(s);
    }
}
