/*
 * minisqld sim: what the user asks for, and what is said about it.
 *
 * One seed is told as a story; many are only counted, until one of them breaks a promise.
 */
#include "sim/sim_int.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { PROGRESS_S = 10 };

static const char help[] =
    "minisqld sim lets a whole cluster live in a simulated world, where machines, disks, networks\n"
    "and clocks fail as a seed says, and checks that it keeps its promises.\n"
    "\n"
    "Usage:\n"
    "  minisqld sim --seed S [--hours H] [--trace]     one seed, told as a story\n"
    "  minisqld sim [--seeds N] [--time S] [--hours H] many seeds, until one fails\n"
    "\n"
    "Options:\n"
    "  --seed S    the seed, or the first one (default: a random one)\n"
    "  --seeds N   so many seeds (default 1 with --seed, else without end)\n"
    "  --time S    stop after so many seconds of CPU time\n"
    "  --hours H   how long each cluster lives, in its own time (default 4)\n"
    "  --trace     tell every message and every log entry, too\n"
    "  --quiet     tell nothing but the result\n"
    "  --help      this\n"
    "\n"
    "The exit status is 0 when all promises were kept, 1 when one was broken: the last lines then\n"
    "say which, and the command that shows it again.\n";

struct wish {
    bool seed_given, trace, quiet, help;
    uint64_t seed, seeds;
    double hours, cpu_s;
};

/* ---- the one that runs -------------------------------------------------------------------- */

static struct {
    uint64_t seed;
    double hours;
} running;

static int command(char *text, size_t len, uint64_t seed, double hours)
{
    return snprintf(text, len, "minisqld sim --seed %llu --hours %g --trace",
                    (unsigned long long)seed, hours);
}

const char *sim__command(const struct sim *s)
{
    static char text[96];
    command(text, sizeof(text), s->seed, s->hours);
    return text;
}

/* An assertion of the code under test. */
static void on_abort(int signal)
{
    char text[160] = "FAILED: an assertion\n  see it: ";
    size_t n = strlen(text);
    n += (size_t)command(text + n, sizeof(text) - n, running.seed, running.hours);
    text[n++] = '\n';
    if (write(STDOUT_FILENO, text, n) < 0)
        _exit(3);
    (void)signal;
    _exit(1);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- what is said -------------------------------------------------------------------------- */

static double hours_of(uint64_t us)
{
    return (double)us / SECOND / 3600;
}

static void report(const struct stats *t)
{
    double lived = hours_of(t->simulated_us + t->skipped_us);
    printf("%llu seeds, %llu storms, %llu steps: %.1f cluster hours (%.1f of them quiet, and "
           "skipped), %.0f in a CPU minute\n",
           (unsigned long long)t->seeds, (unsigned long long)t->storms,
           (unsigned long long)t->steps, lived, hours_of(t->skipped_us),
           lived / (cpu_seconds() / 60));
    printf("  %llu writes acknowledged, %llu reads, %llu sent again, %llu found done already; %llu "
           "entries committed\n",
           (unsigned long long)t->acked, (unsigned long long)t->reads,
           (unsigned long long)t->retries, (unsigned long long)t->duplicates,
           (unsigned long long)t->committed);
    printf("  %llu configs, %llu other primaries, %llu snapshots, %llu log tails cut\n",
           (unsigned long long)t->swaps, (unsigned long long)t->takeovers,
           (unsigned long long)t->snapshots, (unsigned long long)t->cuts);
    printf("  %llu crashes (%llu in a disk operation), %llu pauses, %llu damaged, %llu copies "
           "stopped by their disk, %llu failed reads\n",
           (unsigned long long)t->crashes, (unsigned long long)t->mid_disk,
           (unsigned long long)t->pauses, (unsigned long long)t->damages,
           (unsigned long long)t->disk_failures, (unsigned long long)t->read_errors);
}

static void progress(const struct stats *t, double *next)
{
    if (cpu_seconds() < *next)
        return;
    *next = cpu_seconds() + PROGRESS_S;
    fprintf(stderr, "sim: %llu seeds, %.0f cluster hours, all well\n", (unsigned long long)t->seeds,
            hours_of(t->simulated_us + t->skipped_us));
}

static void run_seeds(const struct wish *q, enum level level, bool tell, struct stats *t)
{
    double start = cpu_seconds(), next = start + PROGRESS_S;
    for (uint64_t i = 0; i < q->seeds && (q->cpu_s == 0 || cpu_seconds() < start + q->cpu_s); i++) {
        running.seed = q->seed + i;
        running.hours = q->hours;
        sim__run(running.seed, q->hours, level, t);
        if (tell)
            progress(t, &next);
    }
}

uint64_t sim_seeds(uint64_t seed, uint64_t n, double hours, double cpu_s)
{
    struct stats t = {0};
    struct wish q = {.seed = seed, .seeds = n, .hours = hours, .cpu_s = cpu_s};
    signal(SIGABRT, on_abort);
    run_seeds(&q, LEVEL_QUIET, false, &t);
    return t.seeds;
}

/* ---- what is asked ------------------------------------------------------------------------- */

static bool take_whole(const char *text, uint64_t *ret)
{
    char *end;
    errno = 0;
    *ret = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno;
}

static bool take_number(const char *text, double *ret)
{
    char *end;
    *ret = strtod(text, &end);
    return end != text && !*end && isfinite(*ret) && *ret > 0 && *ret < 1e6;
}

static bool take_value(struct wish *q, const char *name, const char *value)
{
    if (strcmp(name, "--seed") == 0)
        return q->seed_given = take_whole(value, &q->seed);
    if (strcmp(name, "--seeds") == 0)
        return take_whole(value, &q->seeds) && q->seeds;
    if (strcmp(name, "--time") == 0)
        return take_number(value, &q->cpu_s);
    return take_number(value, &q->hours);
}

static bool is_named(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static int complain(const char *what, const char *which)
{
    fprintf(stderr, "minisqld sim: %s \"%s\"\n  minisqld sim --help lists the options.\n", what,
            which);
    return 2;
}

/* 0, or the exit status. */
static int take_arguments(int argc, char **argv, struct wish *q)
{
    static const char *const valued[] = {"--seed", "--seeds", "--time", "--hours", NULL};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0)
            q->trace = true;
        else if (strcmp(argv[i], "--quiet") == 0)
            q->quiet = true;
        else if (strcmp(argv[i], "--help") == 0)
            q->help = true;
        else if (!is_named(argv[i], valued))
            return complain("there is no option", argv[i]);
        else if (i + 1 == argc)
            return complain("a value is missing after", argv[i]);
        else if (!take_value(q, argv[i], argv[i + 1]))
            return complain("not understood:", argv[i + 1]);
        else
            i++;
    }
    return 0;
}

int sim_main(int argc, char **argv)
{
    struct wish q = {.seed = random_u64() >> 16, .hours = 4};
    int status = take_arguments(argc, argv, &q);
    if (status)
        return status;
    if (q.help) {
        fputs(help, stdout);
        return 0;
    }
    bool one = q.seed_given && q.seeds <= 1 && q.cpu_s == 0;
    if (!q.seeds)
        q.seeds = one ? 1 : UINT64_MAX;
    if (!one && !q.quiet)
        printf("seeds from %llu on, %g hours each\n", (unsigned long long)q.seed, q.hours);
    fflush(stdout);
    signal(SIGABRT, on_abort);
    struct stats t = {0};
    enum level level = q.quiet   ? LEVEL_QUIET
                       : q.trace ? LEVEL_ALL
                       : one     ? LEVEL_STORY
                                 : LEVEL_QUIET;
    run_seeds(&q, level, !one && !q.quiet, &t);
    report(&t);
    return 0;
}
