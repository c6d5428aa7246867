/*
 * instruct: statements that somebody puts into the coordination store for a server (with etcdctl or
 * zkCli), and that the server executes, each at most once.
 *
 *   /minisql/servers/<name>/instructions/<id>          the statement, in PostgreSQL's SQL
 *   /minisql/servers/<name>/instructions/<id>/claim    the server has begun
 *   /minisql/servers/<name>/instructions/<id>/result   {"error", "tag", "columns", "data", ..}
 *
 * One thread; it looks once a second, and executes in the order in which the statements were put.
 */
#pragma once

#include "exec/exec.h"

struct instruct_options {
    const char *name; /* of this server */
    struct coord *coord;
    struct catalog *catalog;
    struct exec *exec;
    unsigned keep_s; /* a result, and its instruction with it, is removed after so long */
};

struct instruct;
struct error *instruct_open(const struct instruct_options *o, struct instruct **ret);
/* What is being executed is cancelled, and taken up again at the next start. NULL is fine. */
void instruct_close(struct instruct *in);
