/* minisqld, inside. */
#pragma once

#include "instruct/instruct.h"
#include "master/master.h"
#include "minisqld/minisqld.h"

/* Has a schema change done by the master of this server: exec_ddl_io.run, with its parts. */
struct error *schema__run(struct master *m, struct catalog *c, struct exec *e,
                          const struct query *q);

/* exec_ddl_io.draft and .transact. `like`: how this server's master is set. */
struct error *schema__draft(const struct master_options *like, struct exec *e,
                            struct exec_session *s, struct catalog *draft, const struct query *q);
struct error *schema__transact(struct master *m, const char *head, const char *body, char tag[64]);
