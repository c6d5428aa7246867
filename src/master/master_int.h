/* master, inside: how loaded each server is (load.c), and the running master. */
#pragma once

#include "master/master.h"

#include <pthread.h>
#include <stdatomic.h>

/* A live server with the role region, and what it holds or is about to. */
struct load {
    const struct server *server;
    int64_t tables;    /* replicas of tables, those in the making counted, those about to go not */
    int64_t primaries; /* regions */
    int arriving;      /* learners here */
    int feeding;       /* learners that are fed from here */
    bool drained;      /* it is to hold nothing */
    bool avoided;      /* it gets nothing: drained, or about to stop */
};

/* A region and how it stands. */
struct standing {
    const struct region *r;
    int64_t tables;
    struct load *primary; /* NULL: dead */
    int voters, members;  /* in the config; members with learners */
    const char **victims; /* surplus holders, most loaded first */
    int n_victims;
};

struct picture {
    struct arena arena;
    size_t n_loads, n_regions;
    struct load *loads; /* by name */
    struct standing *regions;
};

void master__picture(const struct catalog_view *v, struct picture *ret);
void master__picture_done(struct picture *p);
struct load *master__load(const struct picture *p, const char *server); /* NULL: not live */
bool master__is_member(const struct region *r, const char *server);
/* The order in which servers get new tables: avoided ones last, fewest tables, fewest bytes, name.
 */
bool master__less_loaded(const struct load *a, const struct load *b);

struct master {
    char *name;
    struct catalog *catalog;
    struct master_io io;
    int copies;
    bool one_region;
    bool draft; /* master_of_draft: no thread, no campaign, `catalog` is a draft */
    unsigned tick_ms;
    struct master_limits limits;
    pthread_mutex_t ddl; /* one schema change at a time */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    /* guarded by lock */
    bool stop, poked, elected, fresh /* just elected */;
    /* the thread's */
    struct master_memory memory;
    uint64_t rests_at; /* the view's revision for which nothing is to be done; 0: none */
    uint64_t changing, changing_since; /* the pending change that was seen last, and first when */
    unsigned plan_ms;                  /* what the last plan took */
    struct map refused; /* server -> until when (ms, as a pointer) it is not asked again */
};

/* ddl.c: begins a change of the schema: alone, as master, with nothing pending and a view as fresh
 * as can be. On success `ddl` is held. */
struct error *master__begin(struct master *m, const struct catalog_view **ret);
void master__end(struct master *m, const struct catalog_view *v);

/* transaction.c: with `ddl` held, until nothing is pending. */
struct error *master__settle(struct master *m, unsigned wait_ms);
/* In each round: what nobody settles, and regions whose transaction is gone. True: there are some.
 */
bool master__tend_transactions(struct master *m, const struct catalog_view *v);
