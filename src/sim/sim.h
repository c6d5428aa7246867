/*
 * sim: a whole cluster in a simulated world: `minisqld sim`.
 *
 * Everything happens in one process and one thread, and follows from one number, the seed: what
 * clients do, what breaks and when, how long each message takes. So whatever goes wrong can be seen
 * again.
 */
#pragma once

#include "base/base.h"

/* `minisqld sim ARGUMENT..`; argv[0] is "sim". Returns the exit status; ends the process with 1 at
 * the first seed that breaks a promise, after saying which, what, and how to see it. */
int sim_main(int argc, char **argv);

/* Some seeds from `seed` on, silently, at most so much CPU time (0: no limit). Ends the process as
 * sim_main does. Returns how many there were. For tests. */
uint64_t sim_seeds(uint64_t seed, uint64_t n, double hours, double cpu_s);
