/*
 * The simulator's tests, as TAP:
 *
 *   mutants --fresh S            S seconds (of CPU) of random seeds
 *   mutants --kept FILE          the seeds that failed once, each a line: SEED HOURS what it was
 *   mutants --mutants            each mistake is found within a minute
 *   mutants --mutate NAME ..     with a mistake in it; the rest is for `minisqld sim`
 *
 * The mistakes lie behind REPL_MUTATION(name) in the code, which only this build has.
 */
#include "repl/repl.h"
#include "sim/sim.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

const char *repl__mutation;

enum { MINUTE_S = 60 };

/* `seed`: one that found it, and is tried first. */
static const struct mutation {
    const char *name, *what;
    uint64_t seed;
} mutations[] = {
    {"ack_before_durable", "a follower acknowledges what is not on its disk yet", 1},
    {"own_log_not_durable", "the primary counts what is not on its own disk", 1},
    {"lease_from_receive", "the lease counts from the answer, not from the beacon's sending", 7},
    {"lease_forever", "a lease never ends", 2},
    {"no_grace", "a backup takes over after two beacons' time", 1},
    {"commit_without_a_backup", "commits wait for the first backup only", 2},
    {"no_bump_on_restart", "a restarted primary goes on in its old epoch", 6},
    {"no_union", "who is proposed does not count until the store has answered", 64},
    {"promote_at_once", "a learner is proposed before it has everything", 1},
    {"stranger_takes_over", "a server that is no backup proposes itself", 1},
    {"no_epoch_check", "a follower takes entries of a former primary", 717},
    {"match_any", "a follower takes entries whatever its log holds before them", 13},
    {"keep_tail", "an entry that is there already is never replaced", 3},
    {"serve_before_recovery", "a new primary serves before its log is committed everywhere", 1},
    {"damaged_is_fine", "a damaged replica goes on as if nothing had happened", 1},
    {"grant_at_once", "beacons are acknowledged whatever the other knows", 12},
    {"transfer_while_serving", "a primary goes on while another is proposed in its place", 1},
    {"refused_is_forgotten", "a refused proposal did not happen, whatever came of earlier attempts",
     327},
    {"no_doubts", "claims don't matter to proposals on their way", 305},
    {"snapshot_takes_back", "a learner fetches a snapshot whenever told to, and goes on meanwhile",
     87},
    {"learner_stays", "a learner that lost data fetches a snapshot and carries on", 245},
    {"believes_the_clock", "a clock that jumps makes others silent", 6},
    {"no_fsync", "what was appended is reported as durable, and never synced", 1},
    {"answer_before_commit", "clients are answered when the primary alone has the write", 1},
    {"no_request_check", "a request that comes again is applied again", 1},
    {"serve_without_lease", "a primary serves whether its leases hold or not", 123},
    {"release_too_much", "the log forgets what the file does not hold yet", 1},
    {"failed_log_reopened", "a server whose log has failed takes on copies again", 1},
    {"damage_forgotten", "a restart forgets that a copy has to be rebuilt", 1},
};

static unsigned n_told;

static int tell(bool good, const char *what)
{
    printf("%s %u - %s\n", good ? "ok" : "not ok", ++n_told, what);
    fflush(stdout);
    return good ? 0 : 1;
}

/* Seeds in a process of their own, for the first that fails ends it. True: all was well. */
static bool all_well(const char *mutation, uint64_t seed, uint64_t n, double hours, double cpu_s)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        repl__mutation = mutation;
        sim_seeds(seed, n, hours, cpu_s);
        fflush(stdout);
        _exit(0);
    }
    int status = 1;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static int fresh(double cpu_s)
{
    uint64_t seed = random_u64() >> 16;
    char what[80];
    snprintf(what, sizeof(what), "%g s of seeds from %llu on", cpu_s, (unsigned long long)seed);
    return tell(all_well(NULL, seed, UINT64_MAX, 4, cpu_s), what);
}

static int kept(const char *path)
{
    FILE *f = fopen(path, "re");
    char line[200], what[160];
    int failed = 0;
    while (f && fgets(line, sizeof(line), f)) {
        unsigned long long seed;
        double hours;
        if (*line == '#' || sscanf(line, "%llu %lf %159[^\n]", &seed, &hours, what) != 3)
            continue;
        failed += tell(all_well(NULL, seed, 1, hours, 0), what);
    }
    if (!f)
        return tell(false, path);
    fclose(f);
    return failed;
}

static int find_mutants(void)
{
    int missed = 0;
    for (size_t i = 0; i < ARRAY_LEN(mutations); i++) {
        uint64_t start = clock_ms();
        const struct mutation *m = &mutations[i];
        bool found = !all_well(m->name, m->seed, 1, 4, MINUTE_S) ||
                     !all_well(m->name, 1, UINT64_MAX, 4, MINUTE_S);
        char what[200];
        snprintf(what, sizeof(what), "%s: %s (%.1f s)", m->name, m->what,
                 (double)(clock_ms() - start) / 1000);
        missed += tell(found, what);
    }
    return missed;
}

static int with_mutation(int argc, char **argv)
{
    for (size_t i = 0; i < ARRAY_LEN(mutations); i++)
        if (strcmp(argv[0], mutations[i].name) == 0)
            repl__mutation = mutations[i].name;
    if (!repl__mutation) {
        fprintf(stderr, "there is no mutation \"%s\"\n", argv[0]);
        return 2;
    }
    return sim_main(argc, argv);
}

int main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "--mutate") == 0)
        return with_mutation(argc - 2, argv + 2);
    int failed;
    if (argc == 3 && strcmp(argv[1], "--fresh") == 0)
        failed = fresh(strtod(argv[2], NULL));
    else if (argc == 3 && strcmp(argv[1], "--kept") == 0)
        failed = kept(argv[2]);
    else if (argc == 2 && strcmp(argv[1], "--mutants") == 0)
        failed = find_mutants();
    else
        return fprintf(stderr, "usage: see the head of tests/sim/mutants.c\n"), 2;
    printf("1..%u\n", n_told);
    return failed != 0;
}
