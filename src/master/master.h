/*
 * master: placement, repair, balance and schema changes. Runs on every server with the role master;
 * the elected one acts.
 *
 * It is never on the data path, and holds no state that matters: each round it looks at the catalog
 * and asks the regions' primaries for what should change. A master that dies in the middle of
 * anything leaves a state from which the next one goes on.
 *
 * Thread-safe, except master_open and master_close.
 */
#pragma once

#include "catalog/catalog.h"
#include "repl/repl.h"

/* How the master reaches other servers (or its own), by name. Both block, for a few seconds at
 * most; both may be called from several threads. */
struct master_io {
    void *ctx;
    /* repl_change() at `server`, the region's primary. MS001 and 55006 are expected; it is asked
     * again. */
    struct error *(*ask)(void *ctx, const char *server, uint64_t region, enum repl_change what,
                         const char *target);
    /* region_ddl() there. */
    struct error *(*run_ddl)(void *ctx, const char *server, uint64_t region, const char *sql);
    /* Has the region applied this request, under which a transaction is about to commit, or not?
     * 57P03 when that is not known after wait_ms. */
    struct error *(*applied)(void *ctx, uint64_t region, const struct catalog_request *request,
                             unsigned wait_ms, bool *ret);
    /* Of a draft's only: the region that new tables of the transaction lie in. */
    struct error *(*region)(void *ctx, int copies, uint64_t *ret);
};

struct master_options {
    const char *name; /* of this server */
    struct catalog *catalog;
    struct master_io io;
    int copies;       /* what new tables get */
    bool one_region;  /* all tables share one: where there will never be a second server,
                         transactions  and joins should not have to care */
    unsigned tick_ms; /* 0 in any of the following: the default. 500: how often to look, at least */
    unsigned repair_ms; /* 5000: how long a lost copy may come back by itself before it is made
                           elsewhere */
    unsigned settle_ms; /* 5000: how long all must be well before tables are moved for balance */
};

struct master;
struct error *master_open(const struct master_options *o, struct master **ret) MUST_CHECK;
/* Resigns. NULL is fine. */
void master_close(struct master *m);

/* ---- schema changes -------------------------------------------------------------------------
 *
 * One at a time. Called on the elected master's server; elsewhere they fail with MS001 and the
 * master's name, if there is one, in `detail`. 57P03: mastership was lost meanwhile, or the store
 * does not answer; nothing happened, or look. When one returns, this server's catalog shows it. */

/* What CREATE TABLE .. WITH (..) says. {0}: nothing. */
struct master_wish {
    int copies;        /* 0: as the server is set */
    uint64_t colocate; /* put it into the region of the table with this id; 0: none */
    /* Made along with it, table->n_owned of them, ids chosen here: table->owned[i] says which
     * column's values the i-th gives. */
    const struct sequence *sequences;
};

/* Creates a table as the analyser describes it: id, version and region are chosen here, and a
 * foreign key's table 0 means the table itself. It is placed on the servers with the fewest tables,
 * or into the region of the tables that it references or names (0A000 when these are several).
 * 42P07 when the name is taken. `wish` and ret_id may be NULL. */
struct error *master_create_table(struct master *m, const struct table *t,
                                  const struct master_wish *wish, uint64_t *ret_id) MUST_CHECK;
/* 2BP01 when a table that stays references one of these; 42P01 when one is gone. */
struct error *master_drop_tables(struct master *m, const uint64_t *ids, size_t n,
                                 bool cascade) MUST_CHECK;
/* Builds the index at the region (23505 from there), then records it. index->ddl is what runs. */
struct error *master_create_index(struct master *m, uint64_t table,
                                  const struct index *index) MUST_CHECK;
/* 42704 when there is none. The region drops it when it sees the new schema. */
struct error *master_drop_index(struct master *m, uint64_t table, const char *name) MUST_CHECK;
/* Drops tables, then makes the changes, see catalog_change_objects(). MS002 when the catalog has
 * changed so that they have to be worked out anew. */
struct master_objects {
    const struct object_change *changes;
    size_t n;
    const uint64_t *drop;
    size_t n_drop;
    const uint64_t *sequences; /* that go, owned by none of those tables */
    size_t n_sequences;
    const uint64_t *moves;
    size_t n_moves;
    const char *schema;
};
struct error *master_change_objects(struct master *m, const struct master_objects *o) MUST_CHECK;

/* ---- transactions that change the schema ------------------------------------------------------
 *
 * The functions above on a catalog_draft (o->catalog), on any server: they check and decide the
 * same, and change the draft. io.run_ddl runs in the transaction; new tables lie in io.region. */
struct master *master_of_draft(const struct master_options *o) MUST_CHECK;
void master_of_draft_free(struct master *m);

/* The rest is the elected master's again. Admits a draft (its text): catalog_prepare. */
struct error *master_prepare(struct master *m, const char *draft) MUST_CHECK;
/* Until nothing is pending: asks the region that decides, and has the catalog follow. */
struct error *master_settle(struct master *m) MUST_CHECK;
/* A region for a transaction's new tables, and its end if it has no tables. owner:
 * "server:incarnation.number" of the gateway, with which it goes, and of the transaction: an owner
 * who asks again, because the answer was lost with the last master, gets the same one. Dropping
 * what is not there (any more) is no error. */
struct error *master_new_region(struct master *m, int copies, const char *owner,
                                uint64_t *ret) MUST_CHECK;
struct error *master_drop_region(struct master *m, const char *owner) MUST_CHECK;
/* Replaces a table's record by `next`, made of version `old` of it: MS002 when there is a newer
 * one. What its file needs is added when its region sees the new schema. */
struct error *master_alter_table(struct master *m, const struct table *old,
                                 const struct table *next) MUST_CHECK;

/* OWNED BY: the sequence goes when that table or column goes. */
struct master_owner {
    bool said;
    uint64_t table; /* 0: NONE */
    int column;
    const char *renamed; /* what defaults that are its next value say from now on; NULL: the same */
};
/* Makes a sequence (old NULL), or changes one: its `last` only if `restart`. MS002 when it was
 * altered since `old`. */
struct error *master_change_sequence(struct master *m, const struct sequence *old,
                                     const struct sequence *next, bool restart,
                                     const struct master_owner *owner) MUST_CHECK;
struct error *master_drop_sequence(struct master *m, uint64_t id) MUST_CHECK;

/* ---- decisions, pure -------------------------------------------------------------------------
 * Exposed for tests and the simulator; only public fields of the view are read. */

struct master_limits {
    uint64_t repair_ms, settle_ms;
    int learners_per_server;  /* copies in the making, to one server and from one server */
    int returning_per_server; /* the same, of servers that held them lately, and lack little */
    int moves;                /* for balance, at a time */
};
extern const struct master_limits master_limits_default;

/* What is remembered from round to round: since when something is so. {0} is empty. */
struct master_memory {
    struct map lost_since;  /* region -> when its loss was first seen */
    uint64_t healthy_since; /* 0: it is not */
    uint64_t servers;       /* hash of the set of live ones */
};
void master_memory_done(struct master_memory *m);

struct master_action {
    uint64_t region;
    enum repl_change what;
    const char *server; /* the primary, who is to be asked */
    const char *target;
    const char *why;
};
/* What to ask now, at most `max`. The same state gives the same actions, until they have shown
 * effect. The strings live as long as the view. */
size_t master_plan(struct master_memory *m, const struct catalog_view *v, uint64_t now,
                   const struct master_limits *limits, struct master_action *ret, size_t max);
/* As of the last plan all had been well for so long that only a change can bring something to do.
 */
bool master_is_settled(const struct master_memory *m, uint64_t now,
                       const struct master_limits *limits);

/* Chooses servers for a new region: fills primary and backups; fewer than r->copies when there are
 * not so many. 57P03 when there is none. The names live as long as the view. */
struct error *master_place(const struct catalog_view *v, struct region *r) MUST_CHECK;
