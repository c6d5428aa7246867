/*
 * The process: options, limits, signals, the server's life.
 *
 * The first SIGTERM or SIGINT stops the server cleanly, the second one at once: what was
 * acknowledged is on disk either way.
 *
 * A server whose disk was full or failed goes on as a gateway, without its copies. When the disk
 * works again, it is stopped and started anew within the same process: only a recovery can tell
 * what failed writes have left behind. If the disk fails again and again, so more and more rarely.
 */
#include "minisqld/minisqld.h"
#include "sim/sim.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static void raise_file_limit(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) != 0)
        return;
    l.rlim_cur = l.rlim_max;
    setrlimit(RLIMIT_NOFILE, &l);
}

static int fail(struct error *e)
{
    fprintf(stderr, "minisqld: %s\n", e->message);
    if (e->detail)
        fprintf(stderr, "  %s\n", e->detail);
    if (e->hint)
        fprintf(stderr, "  %s\n", e->hint);
    error_free(e);
    return 1;
}

/* All threads inherit a mask without these: they are waited for in one place. */
static sigset_t block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    return set;
}

static void *second_signal(void *arg)
{
    int sig;
    sigwait(arg, &sig);
    log_warn("second signal: stopping at once");
    _exit(1);
}

/* The signal that came within that time; 0: none. */
static int wait_signal(const sigset_t *signals, unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000L};
    int sig = sigtimedwait(signals, NULL, &t);
    return sig > 0 ? sig : 0;
}

/* Until a signal comes, or (0) it is time for a restart. */
static int watch(const struct server_process *s, const sigset_t *signals, uint64_t restart_from_ms)
{
    for (;;) {
        int sig = wait_signal(signals, 500);
        if (sig || (server_wants_restart(s) && clock_ms() >= restart_from_ms))
            return sig;
    }
}

/* Returns the signal that ended the attempts; 0: *s runs. */
static int restart(const struct minisqld_options *o, const sigset_t *signals,
                   struct server_process **s)
{
    log_warn("the disk works again: the server stops and starts anew");
    server_stop(*s);
    *s = NULL;
    struct error *e;
    while ((e = server_start(o, s))) {
        log_failure(LOG_ERROR, e, "could not start; the next attempt is in 2 s");
        error_free(e);
        int sig = wait_signal(signals, 2000);
        if (sig)
            return sig;
    }
    return 0;
}

static int run_until_signal(const struct minisqld_options *o, const sigset_t *signals,
                            struct server_process **s)
{
    enum { PAUSE_FIRST_MS = 10 * 1000, PAUSE_MOST_MS = 600 * 1000 };
    uint64_t pause_ms = 0, restarted = clock_ms();
    for (;;) {
        int sig = watch(*s, signals, restarted + pause_ms);
        if (!sig)
            sig = restart(o, signals, s);
        if (sig)
            return sig;
        bool was_well = clock_ms() - restarted > 2 * PAUSE_MOST_MS;
        pause_ms = was_well ? 0 : MIN(MAX(2 * pause_ms, PAUSE_FIRST_MS), PAUSE_MOST_MS);
        restarted = clock_ms();
    }
}

static int run(const struct minisqld_options *o)
{
    static sigset_t signals;
    signals = block_signals();
    raise_file_limit();
    struct server_process *s;
    types_sqlite_begin();
    struct error *e = server_start(o, &s);
    if (e) {
        log_failure(LOG_ERROR, e, "could not start");
        error_free(e);
        return 1;
    }
    int sig = run_until_signal(o, &signals, &s);
    log_info("%s: stopping", sig == SIGINT ? "SIGINT" : "SIGTERM");
    pthread_t thread;
    if (pthread_create(&thread, NULL, second_signal, &signals) == 0)
        pthread_detach(thread);
    if (s)
        server_stop(s);
    log_info("stopped");
    return 0;
}

int minisqld_main(int argc, char **argv)
{
    extern char **environ;
    if (argc > 1 && strcmp(argv[1], "sim") == 0)
        return sim_main(argc - 1, argv + 1);
    enum minisqld_action action;
    struct minisqld_options o;
    struct error *e = minisqld_options(argc, argv, environ, &action, &o);
    int status = 0;
    if (e) {
        status = fail(e);
    } else if (action == MINISQLD_HELP) {
        _cleanup_(mem_freep) char *text = minisqld_help();
        fputs(text, stdout);
    } else if (action == MINISQLD_VERSION) {
        puts("minisqld (MiniSQL) " MINISQL_VERSION);
    } else {
        log_threshold = o.log_level;
        status = run(&o);
    }
    minisqld_options_done(&o);
    return status;
}
