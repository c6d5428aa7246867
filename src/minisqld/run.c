/*
 * The process: options, limits, signals, the server's life.
 *
 * The first SIGTERM or SIGINT stops the server cleanly, the second one at once: what was
 * acknowledged is on disk either way.
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

static int run(const struct minisqld_options *o)
{
    static sigset_t signals;
    signals = block_signals();
    raise_file_limit();
    struct server_process *s;
    struct error *e = server_start(o, &s);
    if (e) {
        log_failure(LOG_ERROR, e, "could not start");
        error_free(e);
        return 1;
    }
    int sig = 0;
    sigwait(&signals, &sig);
    log_info("%s: stopping", sig == SIGINT ? "SIGINT" : "SIGTERM");
    pthread_t thread;
    if (pthread_create(&thread, NULL, second_signal, &signals) == 0)
        pthread_detach(thread);
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
