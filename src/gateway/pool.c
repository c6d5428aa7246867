/*
 * The pool of threads, and the timer.
 *
 * Idle threads wait in epoll_wait() on one epoll that holds the listener and every parked session
 * (EPOLLONESHOT: one thread gets it). The thread that takes an event while nobody else waits starts
 * another thread, so that somebody always does; a thread that has waited IDLE_MS for nothing ends
 * while enough others wait. Serving may therefore block as long as it likes: on the client, on a
 * lock, on a commit.
 *
 * The timer thread ends statements and idle transactions whose time is over. It looks every 10 ms
 * while some session has a timeout set, else once a second for connections that never say hello.
 */
#include "gateway/gateway_int.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IDLE_MS = 5000, MIN_IDLE = 2, STACK_BYTES = 8 * 1024 * 1024, KEEP_BYTES = 256 * 1024 };

static void *worker_main(void *arg);

/* ---- threads ------------------------------------------------------------------------------ */

static bool spawn(struct gateway *g)
{
    if (atomic_load(&g->threads) >= (int)g->o.max_threads)
        return false;
    atomic_fetch_add(&g->threads, 1);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    int rc = pthread_create(&thread, &attr, worker_main, g);
    pthread_attr_destroy(&attr);
    if (rc == 0)
        return true;
    atomic_fetch_sub(&g->threads, 1);
    log_warn("could not start a session thread: %s", strerror(rc));
    return false;
}

/* ---- connections -------------------------------------------------------------------------- */

static void tune_socket(int fd)
{
    int one = 1, idle = 60, interval = 10, count = 6;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
    struct timeval quiet = {.tv_usec = QUIET_MS * 1000}, slow = {.tv_sec = 1};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &quiet, sizeof(quiet));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &slow, sizeof(slow));
}

static void rearm_listener(struct gateway *g)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = g};
    epoll_ctl(g->epoll, EPOLL_CTL_MOD, g->o.listen_fd, &ev);
}

static void add_session(struct gateway *g, int fd)
{
    tune_socket(fd);
    struct session *s = session__new(g, fd);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = s};
    if (epoll_ctl(g->epoll, EPOLL_CTL_ADD, fd, &ev) != 0) {
        log_warn("could not watch a connection: %s", strerror(errno));
        session__free(s);
    }
}

static void accept_all(struct gateway *g)
{
    for (;;) {
        int fd = accept4(g->o.listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            add_session(g, fd);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if (atomic_load(&g->draining) && errno == EINVAL) /* not listening any more */
            return;
        if (errno != EAGAIN) { /* out of descriptors: those who wait stay in the backlog */
            log_warn("could not accept a connection: %s", strerror(errno));
            sleep_ms(50);
        }
        break;
    }
    rearm_listener(g);
}

void pool__park(struct session *s)
{
    struct gateway *g = s->gateway;
    struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = s};
    int fd = s->fd;
    epoll_ctl(g->epoll, EPOLL_CTL_MOD, fd, &ev); /* from here on s may be another thread's */
}

/* ---- a thread ----------------------------------------------------------------------------- */

static void trim(struct buf *b)
{
    if (b->cap > KEEP_BYTES)
        buf_done(b);
}

/* One event, or none within IDLE_MS. False: this thread may end. */
static bool work(struct gateway *g, struct worker *w)
{
    struct epoll_event ev;
    atomic_fetch_add(&g->idle, 1);
    int n = epoll_wait(g->epoll, &ev, 1, IDLE_MS);
    int left = atomic_fetch_sub(&g->idle, 1) - 1;
    if (atomic_load(&g->closing))
        return false;
    if (n == 0)
        return left < MIN_IDLE;
    if (n < 0)
        return true;
    if (left == 0)
        spawn(g);
    if (ev.data.ptr == g)
        accept_all(g);
    else if (ev.data.ptr)
        session__serve(w, ev.data.ptr);
    trim(&w->in);
    trim(&w->out);
    return true;
}

static void *worker_main(void *arg)
{
    struct gateway *g = arg;
    struct worker w = {.gateway = g};
    while (work(g, &w))
        ;
    arena_done(&w.arena);
    buf_done(&w.in);
    buf_done(&w.out);
    buf_done(&w.key);
    pthread_mutex_lock(&g->lock);
    atomic_fetch_sub(&g->threads, 1);
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

/* ---- the timer ---------------------------------------------------------------------------- */

static void check_deadlines(struct session *s, uint64_t now)
{
    uint64_t statement = atomic_load(&s->statement_deadline);
    if (statement && now >= statement) {
        atomic_store(&s->timed_out, true);
        session__cancel(s);
    }
    uint64_t idle = atomic_load(&s->idle_deadline);
    if (idle && now >= idle) {
        bool within = atomic_load(&s->shown.state) != 'I';
        session__terminate(s, within ? TERMINATE_IDLE_TXN : TERMINATE_IDLE);
    }
    if (s->exec && exec_locks_lost(s->exec)) {
        session__terminate(s, TERMINATE_LOCKS);
        session__cancel(s);
    }
    if (!s->counted && now >= s->born_ms + STARTUP_TIMEOUT_MS)
        session__terminate(s, TERMINATE_STARTUP);
}

static void *timer_main(void *arg)
{
    enum { TICK_MS = 1000 };
    struct gateway *g = arg;
    uint64_t ticked = 0;
    pthread_mutex_lock(&g->lock);
    while (!atomic_load(&g->closing)) {
        uint64_t now = clock_ms();
        if (now - ticked >= TICK_MS) {
            ticked = now;
            pthread_mutex_unlock(&g->lock);
            exec_tick(g->o.exec);
            pthread_mutex_lock(&g->lock);
        }
        for (struct session *s = g->sessions; s; s = s->next)
            check_deadlines(s, now);
        pool__wait(g, &g->timer_wake, atomic_load(&g->timed) ? 10 : 1000);
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

void pool__wait(struct gateway *g, pthread_cond_t *cond, unsigned ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(cond, &g->lock, &until);
}

void pool__timed(struct gateway *g, int change)
{
    pthread_mutex_lock(&g->lock);
    atomic_fetch_add(&g->timed, (unsigned)change);
    if (change > 0)
        pthread_cond_signal(&g->timer_wake);
    pthread_mutex_unlock(&g->lock);
}

/* ---- life --------------------------------------------------------------------------------- */

struct error *pool__start(struct gateway *g)
{
    g->epoll = epoll_create1(EPOLL_CLOEXEC);
    g->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (g->epoll < 0 || g->wake_fd < 0)
        return error_errno(E_IO, errno, "could not set up the session threads");
    struct epoll_event wake = {.events = EPOLLIN, .data.ptr = NULL};
    struct epoll_event listener = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = g};
    if (epoll_ctl(g->epoll, EPOLL_CTL_ADD, g->wake_fd, &wake) != 0 ||
        epoll_ctl(g->epoll, EPOLL_CTL_ADD, g->o.listen_fd, &listener) != 0)
        return error_errno(E_IO, errno, "could not watch the listener");
    for (int i = 0; i < MIN_IDLE; i++)
        if (!spawn(g))
            return error_new(E_IO, "could not start the session threads");
    int rc = pthread_create(&g->timer, NULL, timer_main, g);
    if (rc != 0)
        return error_errno(E_IO, rc, "could not start the timer");
    g->timer_runs = true;
    return NULL;
}

void pool__stop(struct gateway *g)
{
    atomic_store(&g->closing, true);
    uint64_t one = 1;
    if (g->wake_fd >= 0 && write(g->wake_fd, &one, sizeof(one)) < 0)
        log_warn("could not wake the session threads: %s", strerror(errno));
    pthread_mutex_lock(&g->lock);
    pthread_cond_broadcast(&g->timer_wake);
    while (atomic_load(&g->threads) > 0)
        pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
    if (g->timer_runs)
        pthread_join(g->timer, NULL);
    fd_closep(&g->epoll);
    fd_closep(&g->wake_fd);
    fd_closep(&g->o.listen_fd);
}
