/*
 * catalog: schema, region map and servers, as the coordination store has them, cached and watched.
 *
 * Readers take an immutable view (reference-counted; lookups cost no lock, no I/O). A watch
 * replaces the current view whenever the store changes. Writers use the compare-and-swap functions
 * below. Records are JSON, see docs of each.
 *
 *   /minisql/cluster                {"id", "format"}
 *   /minisql/servers/<name>         ephemeral: {"address", "roles", "info": {"tableNum",
 * "recordNum", "load"}, "started"} /minisql/tables/<id>            struct table
 *   /minisql/objects/<id>           struct object
 *   /minisql/names/<schema.table>   id           /minisql/indexes/<schema.name>   {"table",
 * "columns"} /minisql/regions/<id>           struct region /minisql/next_id                counter
 * for ids of tables and their parts, regions, gateways
 *   /minisql/sequences/<id>         struct sequence
 *   /minisql/drained                names of servers that are to hold nothing, with commas
 *
 * Thread-safe throughout.
 */
#pragma once

#include "coord/coord.h"
#include "types/types.h"

enum { CATALOG_FORMAT = 1, CATALOG_MAX_COPIES = 7, CATALOG_NAME_MAX = 63 };

struct column {
    char *name;
    uint32_t type;
    int32_t typmod; /* -1: none */
    bool not_null;
    char *default_sql; /* PostgreSQL expression text; NULL: none */
    bool generated;    /* ALWAYS AS (default_sql) STORED */
    bool dropped;      /* it only keeps its number, so that those after it do: nothing names it,
                          it has no place in the file, its type means nothing */
    uint64_t default_id;
    uint64_t sequence; /* the default is the next value of this one (default_sql, if any, says so in
                          PostgreSQL's words); 0: it is not */
    char *added;   /* what rows have in it that are older than the column: an SQLite literal, which
                      stays in table->ddl as its DEFAULT; NULL: null, or there are no such rows */
    char *comment; /* NULL: none; so it is of all that has one */
    uint32_t domain; /* oid of the domain that it was declared with, over `type`; 0: none */
    char identity;   /* pg_attribute.attidentity: 'a' ALWAYS, 'd' BY DEFAULT; 0: no identity */
};

/* A sequence that goes with a column (OWNED BY) */
struct object;
struct owned_sequence {
    uint64_t sequence;
    int column; /* 0-based */
};

/* PRIMARY KEY or UNIQUE */
struct key {
    char *name;
    bool primary;
    int n_columns;
    int *columns;          /* 0-based */
    uint64_t id, index_id; /* of the constraint, and of the index beneath it */
    char *comment, *index_comment;
    char *options;             /* see struct index */
    bool deferrable, deferred; /* as a foreign key's */
    bool nulls_equal;          /* NULLS NOT DISTINCT */
    bool off;                  /* DISABLE TRIGGER ALL: a deferrable one is not looked at */
};
/* Triggers see to it, or to the rows with a NULL in it: see sql/foreign_key.c. */
static inline bool key_is_watched(const struct key *k)
{
    return k->deferrable || k->nulls_equal;
}

struct check {
    char *name;
    char *sql; /* PostgreSQL expression text */
    uint64_t id;
    bool not_valid; /* rows of before it was added may violate it */
    char *comment;
};

struct foreign_key {
    char *name;
    uint64_t table; /* referenced table's id; may be the table itself */
    int n_columns;
    int *columns, *ref_columns;
    char on_delete, on_update; /* PostgreSQL's letters: a no action, r restrict, c cascade, n set
                                  null, d set default */
    uint64_t id;
    bool not_valid;             /* as a check's */
    bool match_full;            /* said so; of one column it means what MATCH SIMPLE does */
    int n_set;                  /* ON DELETE SET NULL or DEFAULT (columns): .. */
    int *set_columns;           /* .. which; 0: all of them */
    bool child_off, parent_off; /* DISABLE TRIGGER ALL of the table that has it, of the one that it
                                   references: what happens there is not looked at */
    bool was_off;               /* .. so it was once: rows may violate it */
    bool watched;               /* it is more than SQLite knows of foreign keys, so it is no part of
                                   the table's text: triggers see to it, see sql/foreign_key.c */
    bool deferrable, deferred;  /* may it be checked at COMMIT; is it, unless the transaction says
                                   something else */
    char *comment;
};

/* A key of an index that is no column. */
struct index_expression {
    char *sql;  /* PostgreSQL text */
    char *name; /* as PostgreSQL calls it: pg_attribute.attname */
    uint32_t type;
    int32_t typmod;
};

struct index {
    char *name;
    bool unique;
    bool watched;     /* of a key that is DEFERRABLE: in the file it is not unique */
    bool nulls_equal; /* NULLS NOT DISTINCT: in the file it is on expressions (sql/index.c) */
    int n_columns;
    int *columns; /* 0-based; below 0: expressions[-1 - it] */
    int n_expressions;
    struct index_expression *expressions;
    bool *descending, *nulls_first;
    uint32_t method;   /* AM_HASH, ..; 0: btree */
    uint32_t *classes; /* of each key, by oid; NULL, 0: the default */
    int n_included;    /* INCLUDE: columns that are no keys */
    int *included;
    char *ddl;       /* SQLite text */
    char *options;   /* "fillfactor=70", with commas: they mean nothing here; NULL: none */
    char *where_sql; /* of a partial index: PostgreSQL expression text; NULL: all rows are in it */
    uint64_t id;
    char *file_name; /* see struct table */
    char *comment;
};

/* One of gin and its kin is there in name alone: no SQLite index answers its operators, so in the
 * file it has no rows. */
static inline bool index_has_rows(const struct index *x)
{
    return x->method != AM_GIN && x->method != AM_GIST && x->method != AM_SPGIST;
}

/* Tables, and the parts of them that PostgreSQL counts as objects, have ids from one counter:
 * catalog_oid() of one is the same for ever and nobody else's. Parts get theirs (0: none yet) in
 * catalog_create_table() and catalog_replace_table(). */
struct table {
    uint64_t id;
    char *schema, *name; /* "public", "student1" */
    uint64_t version;    /* raised by every change to it */
    uint64_t region;     /* its only partition */
    uint32_t oid;        /* of a system table (id 0): catalog_table_oid() */
    int n_columns, n_keys, n_checks, n_foreign_keys, n_indexes, n_owned;
    struct column *columns;
    struct key *keys;
    struct check *checks;
    struct foreign_key *foreign_keys;
    struct index *indexes;
    struct owned_sequence *owned;
    char *ddl;         /* SQLite text that creates the table as it is now, without its indexes: what
                          its file is brought to, see region/schema.c */
    char *triggers;    /* SQLite text, a line each: of the foreign keys that are `watched`; NULL:
                          there are none */
    uint64_t database; /* id; 0: the first one */
    /* What it is called in its region's file, where tables and indexes of all schemas and databases
     * lie side by side: the name as it was at first, with schema and database before it where they
     * are not the usual ones. It stays when the table is renamed. NULL: `name`. */
    char *file_name;
    char *comment;
    char *options;        /* see struct index */
    struct object *query; /* a materialized view: what its rows are of (sql, search_path, uses),
                             under the table's id and name; NULL: it is a plain table */
    bool unpopulated;     /* .. and it has none yet */
    bool is_domain;       /* it stands for one: struct object */
    char on_commit;       /* of a temporary table: TEMP_DELETE, TEMP_DROP; 0: nothing */
    uint64_t named;       /* catalog/'s own: see catalog__may_name() */
};
enum { TEMP_DELETE = 'd', TEMP_DROP = 'D' };
const char *table_file_name(const struct table *t);
const char *index_file_name(const struct index *x);

/* What is no table. */
enum object_kind {
    OBJ_DATABASE,
    OBJ_SCHEMA,
    OBJ_VIEW,
    OBJ_ENUM,
    OBJ_DOMAIN,
    OBJ_COMPOSITE,
    OBJ_EXTENSION,
    OBJ_COMMENT, /* on what is there without a record: see catalog_schema_comment() */
};

/* Of an enum, in its order. */
struct object_label {
    char *name;
    int64_t value; /* see types_add_enum() */
    uint64_t id;   /* 0: none yet */
};

/* A table, view or type that a view hangs on, and the columns of it. */
struct object_use {
    uint64_t id;
    int known; /* how many columns it had, dropped ones too: the view sees no later ones */
    int n_columns;
    int *columns; /* 0-based */
    bool by_key;  /* it groups by the table's primary key, and reads what hangs on that */
};
/*
 * A sequence. `last` and `called` are PostgreSQL's last_value and is_called, as far as values have
 * been given to servers: each takes a block of them by compare-and-swap and hands them out from
 * memory (exec/sequence.c), so `last` runs ahead of what was handed out. A new generation makes
 * every block that was taken before worthless: by setval(), ALTER, RESTART.
 */
struct sequence {
    uint64_t id;
    uint64_t database; /* as a table's */
    char *schema, *name;
    uint32_t type; /* OID_INT2, OID_INT4, OID_INT8 */
    int64_t start, increment, min, max, cache;
    bool cycle;
    int64_t last;
    bool called;
    uint64_t generation;
    char *comment;
    uint64_t revision; /* the store's, for compare-and-swap; not part of the JSON */
};

enum { CHECK_LOCAL = 'l', CHECK_CASCADED = 'c' };
struct object {
    uint64_t id;
    enum object_kind kind;
    uint64_t database; /* that it is in; of a database: 0 */
    char *schema;      /* that it is in; "" for what is in none */
    char *name;
    uint64_t version; /* raised by every change to it */
    bool dropped;     /* schema public exists without a record: this one says that it does not */
    bool colocated;   /* OBJ_DATABASE: all its tables lie in one region. Databases that are always
                         there have a record only to say this */
    char *comment;
    /* OBJ_VIEW: what it looks like from outside, as a table without region, with the view's id and
     * name; its SELECT, every table with its schema and no star, and the search_path under which
     * that is to be read. */
    struct table *relation;
    char *sql, *search_path;
    int n_uses;
    struct object_use *uses;
    char check_option; /* CHECK_LOCAL, CHECK_CASCADED; 0: none */
    /* OBJ_ENUM, OBJ_COMPOSITE: the type and the type of its arrays have the oids of these ids */
    uint64_t array_id;
    int n_labels;
    struct object_label *labels;
    /* OBJ_DOMAIN: as a table of one column "value": the type that values have at last (and, as its
     * `domain`, the one that this is over), default, NOT NULL; and the checks. Under the domain's
     * id and name. */
    struct table *domain;
    /* OBJ_COMPOSITE: its attributes, as a table's columns; under the type's id and name. */
    struct table *attributes;
};

/* A region's record: who holds it. `former`: servers that held it lately and may still have data.
 * `leaving`: the member that goes when the copy in the making is complete (it moves); NULL: none.
 */
struct region {
    uint64_t id;
    uint64_t epoch;
    uint64_t schema_version; /* raised by every change to one of its tables; the file says which it
                                is at */
    uint64_t revision;       /* the store's, for compare-and-swap; not part of the JSON */
    int copies;              /* wanted */
    char *primary;
    int n_backups, n_learners, n_former;
    char *backups[CATALOG_MAX_COPIES], *learners[CATALOG_MAX_COPIES], *former[CATALOG_MAX_COPIES];
    char *leaving;
    /* Made for a transaction that creates tables, whose gateway this is: no
     * table lies in it before that commits, and it goes when that does not. NULL: it is for good.
     */
    char *provisional;
};

struct server {
    char *name;
    char *address; /* host:port of its listener */
    bool gateway, region, master;
    int64_t tables, records, bytes; /* tableNum, recordNum, load; replicas that it holds */
    bool disk_failed;               /* it can't hold any now */
    uint64_t started;               /* wall clock, ms */
    uint64_t incarnation;           /* changes with each start */
    bool leaving;                   /* it is stopping */
};

struct catalog;

/* One consistent state. Everything reachable from it is immutable and lives as long as the view. */
struct catalog_view {
    uint64_t revision; /* of the store */
    uint64_t schema;   /* changes whenever a table or index does, not with regions or servers: what
                          plans hang on */
    uint64_t cluster;  /* id */
    uint64_t database; /* what is in others is not in sight, except .. */
    const struct catalog_view *all; /* .. in this one: tables and objects of all databases */
    size_t n_tables, n_regions, n_servers, n_objects, n_sequences;
    const struct table **tables;       /* by name */
    const struct sequence **sequences; /* by name */
    const struct object **objects;     /* by kind and name; databases are in every view */
    const struct region **regions;     /* by id */
    const struct server **servers;     /* live ones, by name */
    const char *master;                /* name of the elected master; NULL: none now */
    const char *drained; /* names of servers that are to hold nothing, "s1,s3"; NULL: none */
    uint64_t next_id;    /* no object that the store ever knew has this id or a higher one */
    /* A change of the schema waits for what a region's log says (a revision; 0: none): see
     * catalog_prepare. It takes milliseconds. */
    uint64_t changing;
    /* A table's or region's record can't be read (logged), and no earlier one is known: what is
     * missing here may yet exist, so nothing may be deleted because of it. */
    bool incomplete;
};
const struct catalog_view *catalog_view(struct catalog *c); /* takes a reference */
void catalog_unref(const struct catalog_view *v);
const struct catalog_view *catalog_ref(const struct catalog_view *v); /* one reference more */
/* One database's part of it; lives as long as v, no reference of its own. Whoever looks names up
 * wants this; in v itself they are those of the first database. */
const struct catalog_view *catalog_of_database(const struct catalog_view *v, uint64_t database);
/* The two together. 3D000: there is no database of that name. */
struct error *catalog_view_database(struct catalog *c, const char *database,
                                    const struct catalog_view **ret) MUST_CHECK;
/* Cheap: has anything (of the schema) changed since this view was taken? */
bool catalog_is_current(struct catalog *c, const struct catalog_view *v);
bool catalog_schema_is_current(struct catalog *c, const struct catalog_view *v);

const struct table *catalog_table(const struct catalog_view *v, const char *schema,
                                  const char *name);
const struct table *catalog_table_by_id(const struct catalog_view *v, uint64_t id);
const struct region *catalog_region(const struct catalog_view *v, uint64_t id);
const struct server *catalog_server(const struct catalog_view *v, const char *name);
const struct sequence *catalog_sequence(const struct catalog_view *v, const char *schema,
                                        const char *name);
const struct sequence *catalog_sequence_by_id(const struct catalog_view *v, uint64_t id);
/* The table and column that a sequence goes with; NULL: none. */
const struct table *catalog_sequence_owner(const struct catalog_view *v, uint64_t sequence,
                                           int *ret_column);
/* the table that an index (by name) belongs to; NULL: no such index */
const struct table *catalog_index(const struct catalog_view *v, const char *schema,
                                  const char *name, const struct index **ret);
/* the same of a key */
const struct table *catalog_key(const struct catalog_view *v, const char *schema, const char *name);
/* is it to hold nothing? (reads `drained` only) */
bool catalog_is_drained(const struct catalog_view *v, const char *server);
int table_column(const struct table *t, const char *name); /* -1: none */
/* Does an INSERT give it a value? Else it has none, or SQLite computes it. */
static inline bool column_is_given(const struct column *c)
{
    return !c->dropped && !c->generated;
}
const struct object *catalog_object(const struct catalog_view *v, enum object_kind kind,
                                    const char *schema, const char *name);
const struct object *catalog_object_by_id(const struct catalog_view *v, uint64_t id);
/* The domain of this oid; NULL: it is none. */
const struct object *catalog_domain(const struct catalog_view *v, uint32_t oid);
/* A type: an enum, a domain, a composite type; all of them in turn, as views. */
const struct object *catalog_type(const struct catalog_view *v, const char *schema,
                                  const char *name);
const struct object *catalog_next_type(const struct catalog_view *v, size_t *i);
/* Is the column declared with it, or with arrays of it? */
bool column_has_type(const struct column *c, const struct object *type);
/* Every view, materialized ones too, in turn; *i begins at 0. NULL: no more. */
const struct object *catalog_next_view(const struct catalog_view *v, size_t *i);
/* Schemas: those with a record, public unless it was dropped, pg_catalog, information_schema. The
 * oid of pg_namespace; 0: there is none. */
uint32_t catalog_schema(const struct catalog_view *v, const char *name);
/* Databases: those with a record, and two that are always there. */
bool catalog_database(const struct catalog_view *v, const char *name, uint64_t *ret_id);
uint32_t catalog_database_oid(const struct catalog_view *v, const char *name); /* 0: none */
const char *catalog_database_name(const struct catalog_view *v, uint64_t id);  /* NULL: none */
/* What is said of a schema or database; NULL: nothing. Of those that have no record (schema public,
 * two databases) an OBJ_COMMENT of the database that it is in, or is, says it: */
const char *catalog_schema_comment(const struct catalog_view *v, const char *name);
const char *catalog_database_comment(const struct catalog_view *v, const char *name);
#define CATALOG_ON_PUBLIC "schema public"
#define CATALOG_ON_DATABASE "database"
/* Do all tables of it lie in one region? */
bool catalog_is_colocated(const struct catalog_view *v, uint64_t database);
#define CATALOG_FIRST_DATABASE "minisql"
#define CATALOG_POSTGRES_ID ((uint64_t)1 << 52)
#define CATALOG_TEMPLATE_ID (CATALOG_POSTGRES_ID + 1)
/* A file name for a new table or index that nothing else has, whatever the case of its letters. */
char *catalog_file_name(const struct catalog_view *v, const char *schema, const char *name,
                        struct arena *a) MUST_CHECK;
bool catalog_file_name_taken(const struct catalog_view *v, const char *file_name);
/* PostgreSQL's object id of what has this id here; 0 for 0 */
static inline uint32_t catalog_oid(uint64_t id)
{
    return id ? (uint32_t)(FIRST_USER_OID + id) : 0;
}
static inline uint32_t catalog_table_oid(const struct table *t)
{
    return t->id ? catalog_oid(t->id) : t->oid;
}
/* Temporary tables are in no catalog of the store: each session has its own, in a schema of its own
 * and, as far as plans go, in a region of its own; see exec/temporary.c. */
#define CATALOG_TEMP_SCHEMA "pg_temp_3" /* also called pg_temp; of PostgreSQL's first client */
#define CATALOG_TEMP_REGION ((uint64_t)1 << 60)
#define CATALOG_TEMP_ID ((uint64_t)1 << 30) /* their ids are above */
/* What a column of a table that is to be made has as its sequence, when that is made with the
 * table: its place among the table's, and this. */
#define CATALOG_NEW_SEQUENCE ((uint64_t)3 << 29)
static inline bool table_is_temporary(const struct table *t)
{
    return t->region == CATALOG_TEMP_REGION;
}
/* A view that shows these records, too: "key value" lines. Takes the reference, gives another. */
const struct catalog_view *catalog_view_with(const struct catalog_view *v, const char *records);
/* All ids of a table's parts, not its own; ends with the first error. */
struct error *table_each_id(struct table *t, struct error *(*visit)(void *ctx, uint64_t *id),
                            void *ctx);
uint64_t table_highest_id(const struct table *t); /* of the table and its parts */

/* Calls back for each table that is not the same record in both views (drafts have views, too), in
 * the order of their ids: what it was (NULL: not there) and is. Ends with the first error. */
typedef struct error *catalog_table_change(void *ctx, const struct table *was,
                                           const struct table *is);
struct error *catalog_each_change(const struct catalog_view *old, const struct catalog_view *now,
                                  catalog_table_change *f, void *ctx) MUST_CHECK;

/* ---- life --------------------------------------------------------------------------------- */

/* Loads everything, creates /minisql/cluster when the store is empty, starts the watch. 57P03 when
 * the store can't be reached within timeout_ms; 0A000 when it was written by a newer format. */
struct error *catalog_open(struct coord *coord, unsigned timeout_ms, struct catalog **ret);
void catalog_close(struct catalog *c);
/* Called after each new view, from the watch's thread; must not block for long. Several may be
 * registered. */
void catalog_on_change(struct catalog *c, void (*changed)(void *ctx, const struct catalog_view *v),
                       void *ctx);
/* Ends the calls with this ctx; returns when none runs any more. Not from inside one. */
void catalog_on_change_stop(struct catalog *c, void *ctx);
/* Waits until the cache is at least as new as the store was when called (so that a statement after
 * somebody else's DDL sees it). 57P03 after timeout_ms. */
struct error *catalog_refresh(struct catalog *c, unsigned timeout_ms);
bool catalog_connected(struct catalog *c); /* is the store reachable now */

/* Registers this server (ephemeral, re-registered after a lost session by itself). 55006 when a
 * live server has this name already. */
struct error *catalog_register(struct catalog *c, const struct server *self);
void catalog_update_info(struct catalog *c, int64_t tables, int64_t records, int64_t bytes,
                         bool disk_failed);
/* This server is about to stop: nobody should give it anything any more. */
void catalog_leave(struct catalog *c);
struct error *catalog_next_id(struct catalog *c, uint64_t *ret); /* unique for ever */

/* ---- changes ------------------------------------------------------------------------------ */

/* Each is one transaction in the store and returns once this catalog's view shows it.
 * `*ret_swapped` false: somebody else changed it first. Region records: revision in `expected`
 * decides. */
struct error *catalog_swap_region(struct catalog *c, const struct region *expected,
                                  const struct region *next, bool *ret_swapped);
/* Several at once, in few transactions: when many change hands, the store's syncs count. */
struct region_swap {
    const struct region *expected, *next;
    bool swapped;        /* out */
    struct error *error; /* out: the outcome is 57P03 it did not happen, 08007 it may have */
};
enum { CATALOG_SWAPS = 64 }; /* in one transaction at most */
void catalog_swap_regions(struct catalog *c, struct region_swap *swaps, size_t n);
/* With `region` given, it is created too; else the table joins the existing region table->region
 * and raises its schema version. 42P07 when the name is taken. The transaction fails (57P03, retry)
 * if this server is not the master any more. */
struct error *catalog_create_table(struct catalog *c, const struct table *t,
                                   const struct region *region);
/* Along with the sequences that it owns: table->owned[i] is about the i-th. */
struct error *catalog_create_table_with(struct catalog *c, const struct table *t,
                                        const struct region *region,
                                        const struct sequence *sequences);
/* Removes tables, their sequences (and a region's record with its last table). 42P01 when one is
 * gone already. */
struct error *catalog_drop_tables(struct catalog *c, const uint64_t *ids, size_t n);
/* Replaces a table's record (version + 1; indexes added or removed), raising the region's schema
 * version. */
struct error *catalog_replace_table(struct catalog *c, const struct table *old,
                                    const struct table *next);
/* Sequences made (`old` NULL), changed, or dropped (`next` NULL), and if `old_table` is given, its
 * record replaced. Of a sequence that is changed the newest `last` and `called` are kept, unless
 * `restart` says to take those of `next`. */
struct sequence_change {
    const struct sequence *old, *next;
    bool restart;
};
/* 22023: where it is lies outside of its limits. */
struct error *catalog_check_position(const struct sequence *s) MUST_CHECK;
struct error *catalog_change_sequences(struct catalog *c, const struct sequence_change *changes,
                                       int n, const struct table *old_table,
                                       const struct table *next_table);
/* Changes `last`, `called` or `generation` of the newest record, by any server: `step` is called
 * with a copy of it, again when somebody was first; *ret_skip: leave it as it is. `urgent`:
 * whoever refreshes his view from now on sees it. 42P01 when it is gone. */
typedef struct error *sequence_step(void *ctx, struct sequence *s, bool *ret_skip);
struct error *catalog_step_sequence(struct catalog *c, uint64_t id, bool urgent,
                                    sequence_step *step, void *ctx);
/* Creates an object (old NULL), replaces it (version + 1), or deletes it (next NULL): all of them
 * or none. Tables in `moves` get the schema `schema`; NULL: just their regions get another version,
 * so that what was planned before writes nothing there. Names are the caller's to check. MS002:
 * somebody else changed one of them. */
struct object_change {
    const struct object *old, *next;
};
struct error *catalog_change_objects(struct catalog *c, const struct object_change *changes,
                                     size_t n, const uint64_t *moves, size_t n_moves,
                                     const char *schema);
/* A region without tables, for a transaction (provisional); and its end, unless it has got some. */
struct error *catalog_create_region(struct catalog *c, const struct region *r);
struct error *catalog_drop_region(struct catalog *c, uint64_t id);
/* From now on the server is to hold nothing, or may hold something again: any name, running or not,
 * so that nothing is put on one that comes back. */
struct error *catalog_set_drained(struct catalog *c, const char *server, bool drained);
/* Deep copy, for changing; free with the arena. */
struct table *table_copy(const struct table *t, struct arena *a);
struct region *region_copy(const struct region *r, struct arena *a);
struct object *object_copy(const struct object *o, struct arena *a);

/* ---- transactions that change the schema --------------------------------------------------- */

/* A draft is a catalog of one session's own: the shared one, with changes that nobody else sees.
 * All that is said above of views and changes of tables holds for it, too; catalog_close ends it.
 * One thread at a time. See draft.c. */
struct catalog *catalog_draft_new(struct catalog *base);
void catalog_draft_rebase(struct catalog *draft); /* on base's present view */
/* The region that the transaction writes, whose log decides about it. */
void catalog_draft_hold(struct catalog *draft, uint64_t region);
enum { CATALOG_DRAFT_REGIONS = 64 };
struct catalog_draft_mark {
    size_t n_compares, n_ops;
    int n_regions; /* that it touches */
    uint64_t regions[CATALOG_DRAFT_REGIONS];
};
struct catalog_draft_mark catalog_draft_mark(const struct catalog *draft);
void catalog_draft_undo(struct catalog *draft, const struct catalog_draft_mark *mark);
bool catalog_draft_is_empty(const struct catalog *draft);
bool catalog_sequence_is_drafted(const struct sequence *s); /* of its view: made or changed there */
/* Does it create or change tables of the region? False: at most it drops some. */
bool catalog_draft_builds(const struct catalog *draft, uint64_t region);
/* The request under which a region's log commits the transaction. */
struct catalog_request {
    uint64_t gateway, seq;
    uint32_t slot;
};
/* As text (the caller frees it), and back, in place of what the draft holds. 22021, XX001. request
 * and ret may be NULL. */
struct error *catalog_draft_text(const struct catalog *draft, const struct catalog_request *request,
                                 char **ret) MUST_CHECK;
struct error *catalog_draft_read(struct catalog *draft, const char *text,
                                 struct catalog_request *ret) MUST_CHECK;

/* Puts a draft's text into the store as pending: from then on no other change of the schema is made
 * until it is settled. 42P07, 40001 when others were first; MS002 when it has to be rebased. By the
 * master, like the next two. See changing.c. */
struct error *catalog_prepare(struct catalog *c, const char *text) MUST_CHECK;
struct catalog_pending {
    uint64_t revision; /* of its record; 0: none is pending */
    uint64_t region;   /* 0: nothing decides, it happens */
    struct catalog_request request;
    const char *text;
    size_t parts; /* that the store has it in; 0: in the record itself */
};
struct error *catalog_pending(struct catalog *c, struct arena *a,
                              struct catalog_pending *ret) MUST_CHECK;
/* Writes its records, or drops it. That somebody else has done it already is fine. */
struct error *catalog_settle(struct catalog *c, const struct catalog_pending *p,
                             bool happened) MUST_CHECK;

/* ---- election ----------------------------------------------------------------------------- */

/* Campaigns for mastership as `name`; `changed` is called from a thread of its own on gaining and
 * losing it. */
struct error *catalog_campaign(struct catalog *c, const char *name,
                               void (*changed)(void *ctx, bool is_master), void *ctx);
bool catalog_is_master(struct catalog *c);
/* This server's lease in the store holds: until its end nobody takes it to be gone. */
bool catalog_is_registered(struct catalog *c);
bool catalog_is_embedded(struct catalog *c); /* there is no other server, and can't be */
/* Ends the campaign, giving mastership away at once; `changed` is not called any more afterwards.
 * No schema change may be under way. */
void catalog_resign(struct catalog *c);

/* ---- the records themselves --------------------------------------------------------------- */

/* For those who check, describe or rebuild the store: records as text, without a view. */
enum catalog_kind {
    CATALOG_OTHER, /* no key of ours */
    CATALOG_CLUSTER,
    CATALOG_MASTER,
    CATALOG_NEXT_ID,
    CATALOG_CHANGED,
    CATALOG_DRAINED,
    CATALOG_CHANGING,
    CATALOG_CHANGING_PART,
    CATALOG_SERVER,
    CATALOG_BENEATH_SERVER, /* instructions and their like */
    CATALOG_TABLE,
    CATALOG_NAME,
    CATALOG_INDEX,
    CATALOG_REGION,
    CATALOG_OBJECT,
    CATALOG_SEQUENCE,
};
enum catalog_kind catalog_kind_of(const char *key);
#define CATALOG_ROOT "/minisql/" /* all keys begin with it */
/* The key of a record with an id (table, region), of a name or index, or of its kind's only one.
 * The caller frees it. */
char *catalog_id_key(enum catalog_kind kind, uint64_t id) MUST_CHECK;
char *catalog_name_key(enum catalog_kind kind, const struct table *t, const char *name) MUST_CHECK;
const char *catalog_single_key(enum catalog_kind kind);

/* Parses the record of a server, table, region or object: *ret is a struct of that name, until
 * catalog_record_free. XX001 when it makes no sense. */
struct error *catalog_record_parse(const struct coord_kv *kv, const void **ret) MUST_CHECK;
void catalog_record_free(const void *record);
struct error *catalog_parse_cluster(const struct coord_kv *kv, uint64_t *ret_id) MUST_CHECK;
/* Texts for the store; the caller frees them. 22021 for names that are not UTF-8. */
struct error *catalog_table_text(const struct table *t, char **ret) MUST_CHECK;
struct error *catalog_object_text(const struct object *o, char **ret) MUST_CHECK;
struct error *catalog_sequence_text(const struct sequence *s, char **ret) MUST_CHECK;
struct error *catalog_region_text(const struct region *r, char **ret) MUST_CHECK;
char *catalog_cluster_text(uint64_t id, uint64_t era) MUST_CHECK;
char *catalog_index_text(uint64_t table, int n_columns) MUST_CHECK;

/* Keeps a copy of the records of objects and sequences in a file (copy.c) until catalog_close. */
struct error *catalog_keep_copy(struct catalog *c, const char *path) MUST_CHECK;
#define CATALOG_COPY_FILE "catalog.db" /* in the data directory */
/* Reads one: all records up to a revision, and some newer ones, of the store's era. */
typedef void catalog_copy_fn(void *ctx, const char *key, uint64_t revision, const char *value);
struct error *catalog_read_copy(const char *path, uint64_t *ret_era, uint64_t *ret_revision,
                                catalog_copy_fn *row, void *ctx) MUST_CHECK;

/* All records as the store has them now. */
struct error *catalog_records(struct catalog *c, unsigned timeout_ms, struct coord_list *ret);
/* Replaces one record if it is still at this revision (0: there is none); value NULL deletes it.
 * For repairs only: nothing is checked. */
struct error *catalog_write_record(struct catalog *c, const char *key, const char *value,
                                   uint64_t revision, bool *ret_done);
