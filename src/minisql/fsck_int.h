/*
 * What the files of `minisql fsck` and `minisql recover` share: what was gathered, and what was
 * found in it.
 *
 *   fsck.c          the command: passes, report      fsck_ask.c     asking servers
 *   fsck_store.c    the records among themselves     fsck_copies.c  records against copies, and
 *   fsck_repair.c   repairs                                         copies against each other
 *   fsck_data.c     data directories of stopped servers
 *   recover.c       one region, on the operator's word
 *   recover_store.c the whole coordination store, from the servers' files
 *
 * Everything that a pass gathers and finds lives as long as its struct fsck, mostly in its arena.
 */
#pragma once

#include "catalog/catalog.h"
#include "minisql/minisql_int.h"
#include "region/region.h"

#include <jansson.h>

enum { EXIT_CLEAN = 0, EXIT_REPAIRED = 1, EXIT_LEFT = 2, EXIT_NOT_CHECKED = 3 };

/* ---- what was gathered ---------------------------------------------------------------------- */

/* Where copies lie: a server, or (offline) the data directory of one. */
struct holder {
    const char *name, *where; /* host:port, or the directory */
    bool region_role;
    PGconn *conn; /* NULL: it does not answer, or is no running server */
    const char *silence;
    json_t *copies; /* array of what it has of each region (region.h); NULL: not known */
    const char *log_damage;
    json_t *catalog; /* of a stopped server: {era, revision, records: [[key, revision, value]]}, its
                        copy of the store's records; NULL: it has none */
};

struct record {
    const struct coord_kv *kv;
    enum catalog_kind kind;
    const void *parsed; /* struct server, table or region; NULL */
};

/* ---- what was found ------------------------------------------------------------------------- */

enum severity { SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_ERROR };

enum repair_kind {
    REPAIR_NONE,
    REPAIR_PUT,     /* record `key` gets `value` */
    REPAIR_DELETE,  /* record `key` */
    REPAIR_ASIDE,   /* the stray file of `region` at `server` */
    REPAIR_REBUILD, /* the copy of `region` at `server`; moves the primary to `other` first */
};

struct repair {
    enum repair_kind kind;
    const char *key, *value, *server, *other;
    uint64_t revision, region;
};

struct finding {
    enum severity severity;
    const char *code;   /* for programs: "name-without-table" */
    uint64_t region;    /* 0: of none */
    const char *server; /* or NULL */
    const char *text;   /* what disagrees; the same in each pass */
    const char *advice; /* what the operator should do; NULL: nothing */
    struct repair repair;
    const char *outcome; /* after a repair: what was done, or why it failed */
    bool repaired;
};

struct fsck {
    struct session *s;
    struct arena arena;
    struct coord_list list;
    struct record *records;
    size_t n_records;
    uint64_t cluster; /* 0: not known */
    struct holder *holders;
    size_t n_holders;
    struct finding *findings;
    size_t n_findings, cap_findings;
    size_t n_regions, n_copies; /* looked at */
};

void fsck_done(struct fsck *c);
struct finding *fsck_add(struct fsck *c, enum severity severity, const char *code,
                         const char *format, ...) PRINTF_LIKE(4, 5);
struct holder *fsck_holder(struct fsck *c, const char *name);
struct holder *fsck_add_holder(struct fsck *c, const char *name, const char *where);
const struct record *fsck_record(struct fsck *c, const char *key);
const struct table *fsck_table(struct fsck *c, uint64_t id);
const struct region *fsck_region(struct fsck *c, uint64_t id);
/* "region 5 (student1, course)" */
const char *fsck_region_name(struct fsck *c, uint64_t id);
/* What the holder has of a region; NULL: nothing. */
json_t *holder_copy(const struct holder *h, uint64_t region);
/* A bar on the terminal; done == total clears it. */
void fsck_progress(const char *what, size_t done, size_t total);

/* Members of JSON objects, with harmless values for what is missing. */
uint64_t json_number(const json_t *o, const char *name);
const char *json_text(const json_t *o, const char *name); /* "" */
bool json_flag(const json_t *o, const char *name);

/* ---- fsck_ask.c */
/* An internal connection; NULL with *ret_failure in the arena. */
PGconn *ask_connect(struct fsck *c, const char *address, const char **ret_failure);
/* Runs an internal statement; each CopyData goes to `data` (may be NULL). ret_tag may be NULL. */
struct error *ask_run(PGconn *conn, const char *text, unsigned timeout_ms,
                      void (*data)(void *ctx, const char *bytes, size_t len), void *ctx,
                      char ret_tag[64]);
/* All records, parsed as far as they can be, from one server of the session. */
struct error *ask_records(struct fsck *c);
/* Connects to every registered server and asks what it has. */
void ask_holders(struct fsck *c);
/* An array of the JSON objects that the statement gives. */
struct error *ask_json(PGconn *conn, const char *text, unsigned timeout_ms, json_t **ret);

/* ---- the checks */
void fsck_store(struct fsck *c);
void fsck_copies(struct fsck *c);
void fsck_contents(struct fsck *c);
/* Region's record as it should be, from what servers know of it; NULL: nobody knows. Arena. */
const char *fsck_region_text(struct fsck *c, uint64_t region);
/* What is wrong inside one copy, by its own contents. */
bool fsck_damage(struct fsck *c, const char *server, uint64_t region, const json_t *contents);
void fsck_compare(struct fsck *c, uint64_t region, const char *a, const json_t *contents_a,
                  const char *b, const json_t *contents_b);

/* ---- fsck_repair.c */
void fsck_repair(struct fsck *c);
struct error *fsck_repair_one(struct fsck *c, const struct repair *r);

/* ---- fsck_data.c */
/* What is in a stopped server's directory, as a holder with contents. */
struct error *data_read(struct fsck *c, const char *dir, bool deep, struct holder **ret,
                        uint64_t *ret_cluster);
void fsck_data(struct fsck *c);

/* ---- recover_store.c, recover.c */
int recover_store(struct session *s, char **words, int n);
int recover_inventory(struct session *s, char **words, int n);
int recover_region(struct session *s, char **words, int n);
/* Prints an error the way the shell does, and frees it. */
void complain_error(struct session *s, struct error *e);
