/* minisqld, inside. */
#pragma once

#include "instruct/instruct.h"
#include "master/master.h"
#include "minisqld/minisqld.h"

/* Has a schema change done by the master of this server: exec_ddl_io.run, with its parts. */
struct error *schema__run(struct master *m, struct catalog *c, struct exec *e,
                          const struct query *q);
