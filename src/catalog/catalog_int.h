/* catalog, inside: records with reference counts, the arrays that views share, and the keys of the
 * store. */
#pragma once

#include "catalog/catalog.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#define KEY_ROOT CATALOG_ROOT
#define KEY_CLUSTER KEY_ROOT "cluster"
#define KEY_MASTER KEY_ROOT "master"
#define KEY_NEXT_ID KEY_ROOT "next_id"
#define KEY_DRAINED KEY_ROOT "drained"
/* Put by every change of a table or region: its mod_revision is that of the newest one. */
#define KEY_CHANGED KEY_ROOT "changed"
/* A change of the schema that a region's log decides, and a large one's text, by number: see
 * changing.c. */
#define KEY_CHANGING KEY_ROOT "changing"
#define KEY_PARTS KEY_ROOT "changing_parts/"
#define KEY_SERVERS KEY_ROOT "servers/"
#define KEY_TABLES KEY_ROOT "tables/"
#define KEY_NAMES KEY_ROOT "names/"
#define KEY_INDEXES KEY_ROOT "indexes/"
#define KEY_REGIONS KEY_ROOT "regions/"
#define KEY_SEQUENCES KEY_ROOT "sequences/"
#define KEY_OBJECTS KEY_ROOT "objects/"

/* ---- records (record.c) ------------------------------------------------------------------- */

/* One parsed record of the store, shared by all views that show it. Views point at `payload` (a
 * struct table, region or server); everything else that it consists of is in the arena. Immutable.
 */
struct record {
    atomic_uint refs;
    uint64_t revision; /* the store's, of this record */
    struct arena arena;
    _Alignas(16) char payload[];
};
struct record *catalog__record_new(size_t payload);
struct record *catalog__record_of(const void *payload);
void catalog__record_unref(struct record *r);

/* A sorted array of records' payloads, shared by all views between two changes of it. Holds a
 * reference to each. */
struct array {
    atomic_uint refs;
    size_t n, cap;
    const void *items[];
};
typedef int array_compare(const void *a, const void *b); /* of two payloads */
struct array *catalog__array_new(size_t n);
struct array *catalog__array_ref(struct array *a);
void catalog__array_unref(struct array *a);
/* Where the item equal to `key` (a payload) is, or would be. */
size_t catalog__array_find(const struct array *a, const void *key, array_compare *compare,
                           bool *ret_found);
/* One item more (or replaced), or less. A shared array is copied, and the reference moves to the
 * copy; one that is the caller's alone is changed. */
void catalog__array_put(struct array **a, struct record *r, array_compare *compare);
void catalog__array_remove(struct array **a, size_t at);

/* ---- JSON (json.c) ------------------------------------------------------------------------ */

/* Record <-> JSON. Decoding checks everything: a record may come from anybody. Errors are XX001. */
struct error *catalog__encode_table(const struct table *t, char **ret) MUST_CHECK;
struct error *catalog__encode_region(const struct region *r, char **ret) MUST_CHECK;
struct error *catalog__encode_sequence(const struct sequence *s, char **ret) MUST_CHECK;
struct error *catalog__decode_sequence(const struct coord_kv *kv, struct record **ret) MUST_CHECK;
struct error *catalog__encode_server(const struct server *s, char **ret) MUST_CHECK;
bool catalog__is_type(const struct object *o);
/* database.c: tells types/ of a type, before a table can have it */
void catalog__make_type(const struct object *o);
/* Who looks for a name among thousands of tables asks this first. False: none of the table's
 * indexes and keys has it, whatever its case, nor have they or the table in its file. */
bool catalog__may_name(const struct table *t, uint64_t bits);
uint64_t catalog__name_bits(const char *name);
void catalog__sum_names(struct table *t); /* into t->named */
struct error *catalog__encode_object(const struct object *o, char **ret) MUST_CHECK;
struct error *catalog__decode_object(const struct coord_kv *kv, struct record **ret) MUST_CHECK;
struct error *catalog__decode_table(const struct coord_kv *kv, struct record **ret) MUST_CHECK;
struct error *catalog__decode_region(const struct coord_kv *kv, struct record **ret) MUST_CHECK;
struct error *catalog__decode_server(const struct coord_kv *kv, struct record **ret) MUST_CHECK;
char *catalog__encode_cluster(uint64_t id, uint64_t era);
struct error *catalog__decode_cluster(const struct coord_kv *kv, uint64_t *ret_id) MUST_CHECK;
/* "public.student1" for the end of a key, after "17/" in another database than the first; dots,
 * slashes and percent signs in names are written %2E etc. */
char *catalog__relation_key(const char *root, uint64_t database, const char *schema,
                            const char *name);
void catalog__put_escaped(struct buf *b, const char *name);
char *catalog__id_key(const char *root, uint64_t id);
/* The number that a key ends with; false: none, or leading zeros. */
bool catalog__key_id(const char *key, const char *root, uint64_t *ret);

/* ---- the catalog -------------------------------------------------------------------------- */

struct view {
    struct catalog_view pub; /* first */
    atomic_uint refs;
    struct array *tables, *tables_by_id, *regions, *servers, *objects, *objects_by_id;
    struct array *sequences, *sequences_by_id;
    char *master, *drained;
    /* Parts for single databases, made when they are asked for; the lock guards the list. */
    pthread_mutex_t parting;
    struct view *parts;
};

/* What a draft consists of, see draft.c. Its owner's thread alone touches it. */
struct drafted {
    struct catalog *base;
    const struct catalog_view *base_view;
    struct arena arena;             /* keys and values */
    struct catalog_draft_mark mark; /* how many of the following count */
    struct coord_compare *compares;
    struct coord_op *ops;
    size_t cap_compares, cap_ops;
    struct map keys;  /* of all of them */
    uint64_t region;  /* what decides, and is held; 0: none */
    uint64_t version; /* schema version that the files of the regions that it builds in get */
    /* By catalog_draft_read: the schema versions that it was made on, of `region` and of each of
     * mark.regions (0: not said) */
    bool told;
    uint64_t told_base, told_bases[CATALOG_DRAFT_REGIONS];
};

/* Of a region that is touched, by its record before: what its file gets, and its record then. */
uint64_t catalog__draft_version(const struct drafted *d, const struct region *before);

struct listener {
    struct listener *next;
    void (*changed)(void *ctx, const struct catalog_view *v);
    void *ctx;
};

/* copy.c: in this server's data directory; NULL is fine in all of these. */
struct catalog_copy;
void catalog__copy_events(struct catalog_copy *k, uint64_t revision,
                          const struct coord_event *events, size_t n);
void catalog__copy_reload(struct catalog_copy *k);
/* A record of this revision is there, durably, when it returns. */
struct error *catalog__copy_put(struct catalog_copy *k, const char *key, const char *value,
                                uint64_t revision) MUST_CHECK;
void catalog__copy_flush(struct catalog_copy *k);
void catalog__copy_close(struct catalog_copy *k);

struct catalog {
    struct coord *coord;
    _Atomic(struct catalog_copy *) copy; /* NULL: none is kept */
    struct coord_watch *watch;
    struct drafted *drafted; /* NULL: it is the store's */
    atomic_bool connected;
    atomic_uint_fast64_t schema; /* of the current view */
    uint64_t complained_ms;      /* the watch thread's: when it last logged a failed reload */

    pthread_mutex_t lock; /* a leaf: held for a few instructions */
    pthread_cond_t advanced;
    _Atomic(struct view *) current; /* changed under lock; compared without */

    pthread_mutex_t listening;  /* held while listeners are called */
    struct listener *listeners; /* guarded by listening */

    pthread_mutex_t numbering; /* guards the ids that were taken and not given out */
    uint64_t next_id, end_id;

    pthread_mutex_t joining; /* guards what follows; taken before all others */
    struct coord_session *session;
    struct server self; /* as registered; strings owned */
    char *self_key;     /* NULL: not registered */
    uint64_t info_ms;   /* when it was last written */
    _Atomic(struct coord_election *) election;
};
int catalog__compare_sequences_by_name(const void *a, const void *b);

enum { CALL_MS = 3000, CHANGE_MS = 10000 };

/* view.c: a new view from an old one and what changed; the caller publishes it. */
struct view *catalog__view_load(const struct view *old, const struct coord_list *all);
struct view *catalog__view_apply(const struct view *old, uint64_t revision,
                                 const struct coord_event *events, size_t n);
void catalog__view_free(struct view *v);
/* database.c: the part of v that is in a database; shares v's arrays where they are the same */
struct view *catalog__view_part(const struct view *v, uint64_t database);
int catalog__compare_objects(const void *a, const void *b);
int catalog__compare_tables_by_name(const void *a, const void *b);
/* Takes the reference. */
void catalog__publish(struct catalog *c, struct view *v);
/* Until the view is at least at this revision; false: not by then. */
bool catalog__wait(struct catalog *c, uint64_t revision, unsigned timeout_ms);
struct error *catalog__session(struct catalog *c, unsigned timeout_ms) MUST_CHECK;

struct catalog *catalog__new(struct coord *coord);

/* change.c: one transaction in the store, fenced when this server campaigns, and KEY_CHANGED. Waits
 * until the view shows it. *ret_done false: a compare failed, or the outcome is unknown. Up to
 * COORD_TXN_MAX_OPS - 2 compares and - 1 operations. */
enum catalog__when { COMMIT_ANY, COMMIT_WHEN_NONE /* of KEY_CHANGING is there */ };
struct error *catalog__commit(struct catalog *c, const struct coord_compare *compares,
                              size_t n_compares, const struct coord_op *ops, size_t n_ops,
                              enum catalog__when when, bool *ret_done) MUST_CHECK;

/* draft.c */
struct error *catalog__draft_add(struct catalog *c, const struct coord_compare *compares,
                                 size_t n_compares, const struct coord_op *ops,
                                 size_t n_ops) MUST_CHECK;
void catalog__drafted_free(struct drafted *d);
