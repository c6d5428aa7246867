/*
 * sim [--seeds N] [--seed S] [--steps N] [--trace] [--mutate NAME]
 *     runs N seeds from S on (1 unless said, or just S), stops at the first that breaks an
 * invariant and names it. --mutate: with a mistake put into the protocol. sim --mutants N [--steps
 * N] shows that the simulator finds mistakes: each known mutation within N seeds.
 */
#include "sim.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern const char *repl__mutation; /* repl_int.h, compiled with REPL_MUTATIONS */
const char *repl__mutation;

static const char *const mutations[] = {
    "ack_before_durable",      /* a follower acknowledges what is not on its disk yet */
    "own_log_not_durable",     /* the primary counts what is not on its own disk */
    "lease_from_receive",      /* the lease counts from the answer, not from the beacon's sending */
    "lease_forever",           /* a lease never ends */
    "no_grace",                /* a backup takes over after two beacons' time */
    "commit_without_a_backup", /* commits wait for the first backup only */
    "no_bump_on_restart",      /* a restarted primary goes on in its old epoch */
    "no_union",                /* who is proposed does not count until the store has answered */
    "promote_at_once",         /* a learner is proposed before it has everything */
    "stranger_takes_over",     /* a server that is no backup proposes itself */
    "no_epoch_check",          /* a follower takes entries of a former primary */
    "match_any",               /* a follower takes entries whatever its log holds before them */
    "keep_tail",               /* an entry that is there already is never replaced */
    "serve_before_recovery",   /* a new primary serves before its log is committed everywhere */
    "damaged_is_fine",         /* a damaged replica goes on as if nothing had happened */
    "grant_at_once",           /* beacons are acknowledged whatever the other knows */
    "transfer_while_serving",  /* a primary goes on while another is proposed in its place */
    "refused_is_forgotten", /* a refused proposal did not happen, whatever came of earlier attempts
                             */
    "no_doubts", /* claims don't matter to who is not primary yet, nor to proposals on their way */
    "snapshot_takes_back", /* a learner fetches a snapshot whenever told to, and goes on meanwhile
                            */
    "learner_stays",       /* a learner that lost data fetches a snapshot and carries on */
};

static uint64_t current_seed;

static void on_abort(int signal)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "FAILED: aborted, seed %llu\n",
                     (unsigned long long)current_seed);
    if (write(STDOUT_FILENO, text, (size_t)n) < 0)
        _exit(3);
    (void)signal;
    _exit(2);
}

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static void report(const struct stats *t)
{
    double hours = (double)t->simulated_us / SECOND / 3600, minutes = cpu_seconds() / 60;
    printf("%llu seeds, %llu steps, %.1f simulated hours (%.1f in a CPU minute)\n",
           (unsigned long long)t->seeds, (unsigned long long)t->steps, hours, hours / minutes);
    printf("  %llu appended, %llu acknowledged, %llu committed; %llu times serving, %llu other "
           "primaries, %llu configs\n",
           (unsigned long long)t->appends, (unsigned long long)t->acked,
           (unsigned long long)t->committed, (unsigned long long)t->serving,
           (unsigned long long)t->takeovers, (unsigned long long)t->swaps);
    printf("  %llu crashes, %llu pauses, %llu damaged, %llu disk failures, %llu snapshots, %llu "
           "log tails cut\n",
           (unsigned long long)t->crashes, (unsigned long long)t->pauses,
           (unsigned long long)t->damages, (unsigned long long)t->disk_failures,
           (unsigned long long)t->snapshots, (unsigned long long)t->cuts);
}

static void run_seeds(uint64_t first, uint64_t n, uint64_t steps, bool trace, struct stats *t)
{
    for (current_seed = first; current_seed < first + n; current_seed++)
        sim_run(current_seed, steps, trace, t);
}

/* True: a process that runs the seeds with this mistake ends with a violation. */
static bool is_found(const char *name, uint64_t seeds, uint64_t steps)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct stats t = {0};
        repl__mutation = name;
        run_seeds(1, seeds, steps, false, &t);
        _exit(0);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && status != 0;
}

static int run_mutants(uint64_t seeds, uint64_t steps)
{
    unsigned missed = 0;
    for (size_t i = 0; i < ARRAY_LEN(mutations); i++) {
        double start = (double)clock_ms();
        printf("%s: ", mutations[i]);
        bool found = is_found(mutations[i], seeds, steps);
        if (!found)
            printf("NOT FOUND in %llu seeds\n", (unsigned long long)seeds);
        printf("  (%.1f s)\n", ((double)clock_ms() - start) / 1000);
        missed += !found;
    }
    printf("%zu mutations, %u not found\n", ARRAY_LEN(mutations), missed);
    return missed != 0;
}

static const char *known_mutation(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(mutations); i++)
        if (strcmp(name, mutations[i]) == 0)
            return mutations[i];
    fprintf(stderr, "sim: there is no mutation \"%s\"; there are:\n", name);
    for (size_t i = 0; i < ARRAY_LEN(mutations); i++)
        fprintf(stderr, "  %s\n", mutations[i]);
    exit(2);
}

static int usage(void)
{
    fprintf(stderr, "usage: sim [--seeds N] [--seed S] [--steps N] [--trace] [--mutate NAME]\n"
                    "       sim --mutants N [--steps N]\n");
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t seeds = 1, seed = 1, steps = 5000, mutants = 0;
    bool trace = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            trace = true;
            continue;
        }
        if (i + 1 == argc)
            return usage();
        const char *name = argv[i], *value = argv[++i];
        uint64_t number = strtoull(value, NULL, 10);
        if (strcmp(name, "--seeds") == 0)
            seeds = number;
        else if (strcmp(name, "--seed") == 0)
            seed = number;
        else if (strcmp(name, "--steps") == 0)
            steps = number;
        else if (strcmp(name, "--mutants") == 0)
            mutants = number;
        else if (strcmp(name, "--mutate") == 0)
            repl__mutation = known_mutation(value);
        else
            return usage();
    }
    signal(SIGABRT, on_abort);
    if (mutants)
        return run_mutants(mutants, steps);
    struct stats t = {0};
    run_seeds(seed, seeds, steps, trace, &t);
    report(&t);
    return 0;
}
