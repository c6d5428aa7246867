/*
 * gateway, inside.
 *
 * A session is owned by one party at a time:
 *
 *   parked (epoll) --readable--> served (one pool thread) --10 ms of quiet--> parked
 *                                   \--end, error--> freed
 *
 * Other threads touch a session only under gateway.lock and only its atomics, its socket (shutdown)
 * and exec_cancel(); it is taken out of gateway.sessions under that lock before it is freed.
 */
#pragma once

#include "gateway/gateway.h"
#include "pgwire/pgwire.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    QUIET_MS = 10,           /* a served session waits so long for more before it is parked */
    FLUSH_BYTES = 64 * 1024, /* output beyond that is sent while a statement runs */
    STARTUP_TIMEOUT_MS = 60 * 1000,
};

struct session;

/* ---- settings (settings.c) ---------------------------------------------------------------- */

/* What a session has set (settings_value.c). */
struct settings {
    struct setting_value *values; /* by row of the table; beyond: custom. Short or NULL: defaults */
    struct setting_before *log;   /* what undoes the transaction's changes */
    char **custom;                /* names of a.b = c */
    int n, n_log, cap_log, n_custom;
    uint32_t statement_timeout_ms, idle_txn_timeout_ms, idle_timeout_ms;
    uint8_t min_messages;       /* enum notice_level */
    bool read_only, deferrable; /* default_transaction_read_only, .. */
};
enum notice_level {
    NOTICE_DEBUG,
    NOTICE_LOG,
    NOTICE_INFO,
    NOTICE_NOTICE,
    NOTICE_WARNING,
    NOTICE_ERROR
};

void settings__init(struct settings *t);
void settings__done(struct settings *t);
/* value NULL: the default. Reports changes that clients want to know (ParameterStatus). */
struct error *settings__set(struct session *s, const char *name, const char *value, bool local);
struct error *settings__reset_all(struct session *s);
struct error *settings__show(struct session *s, const char *name, char **ret); /* mem_free */
const char *settings__isolation(struct session *s); /* this transaction's, as SHOW prints it */
/* Every row: name, value, description. */
void settings__each(struct session *s,
                    struct error *(*row)(void *ctx, const char *name, const char *value,
                                         const char *description),
                    void *ctx, struct error **ret);
/* The start is over: what is set is what RESET goes back to, and the client is told. */
void settings__started(struct session *s);
/* What is looked at often, out of the texts: done by all changes; and once at the start. */
void settings__derive(struct session *s);
/* s->names, as the session's temporary tables are now */
const char *settings__names(struct session *s);
bool settings__timed(const struct settings *t);         /* the timer has to look often */
const char *setting__category(const char *name);        /* as pg_settings has it */
struct exec_session_io settings__io(struct session *s); /* for statements that ask */
/* The transaction's end: undone when it did not commit; SET LOCAL ends either way. */
void settings__transaction_end(struct session *s, bool committed);
/* ROLLBACK TO: what was set since there were more than `depth` savepoints. */
void settings__savepoint_undone(struct session *s, int depth);

/* By number (settings_value.c); texts are the settings' own. */
const char *settings__text(const struct settings *t, int i); /* NULL: not set */
const char *settings__start_text(const struct settings *t, int i);
bool settings__changed(const struct settings *t, int i);               /* since the start */
int settings__find_custom(const struct settings *t, const char *name); /* -1: there is none */
int settings__add_custom(struct settings *t, const char *name);
/* Takes `text`; NULL: back to what was said at the start. `depth`: savepoints there are. */
void settings__assign(struct settings *t, int i, char *text, bool local, int depth);
bool settings__news(struct settings *t, int i, const char *text); /* the client knows another one */
void settings__keep_start(struct settings *t);
void settings__undo(struct settings *t, int depth);  /* changes of that depth and more */
void settings__merge(struct settings *t, int depth); /* deeper changes are of that depth now */
void settings__end(struct settings *t, bool committed);

/* ---- the statement cache (cache.c) -------------------------------------------------------- */

/*
 * One analysed and planned statement, immutable, shared by sessions. With a plan, the query lives
 * in it; statements that the gateway runs by itself have none and live in `arena`.
 */
struct entry {
    _Atomic int refs;
    const struct query *query; /* the outermost: EXPLAIN, COPY, .. */
    struct plan *plan;         /* NULL: the gateway's own */
    struct arena arena;
    const struct catalog_view *view;

    char *text;    /* as it was analysed; one statement */
    bool deferred; /* to be analysed when it is bound: see statement__defer() */

    bool returns;
    int n_columns;
    const struct result_column *columns;
    const struct type **column_types;
    struct buf description; /* RowDescription in UTF-8 and text formats */
    int n_params;
    const struct type **param_types;
    uint32_t *param_oids; /* of these, or of domains over them */

    /* in the cache; guarded by cache.lock */
    char *key;
    size_t key_len;
    struct entry *newer, *older;
};

enum { CACHE_MAX_TEXT = 64 * 1024 }; /* a longer one is not looked for */

struct cache {
    pthread_mutex_t lock;
    struct map map; /* key -> entry, one reference each */
    struct entry *newest, *oldest;
    size_t weight, cap; /* of all entries; at most */
};
void cache__init(struct cache *c, size_t cap);
void cache__done(struct cache *c);
struct entry *entry__ref(struct entry *e);
void entry__unref(struct entry *e); /* NULL is fine */
/* A current entry with a reference, or NULL. */
struct entry *cache__get(struct gateway *g, const void *key, size_t len);
void cache__put(struct gateway *g, const void *key, size_t len, struct entry *e);
/* The same for texts of a session, which mean what its names mean. One whose
 * transaction has changed the schema finds nothing there, and puts nothing. */
struct entry *cache__find(struct session *s, const void *key, size_t len);
void cache__add(struct session *s, const void *key, size_t len, struct entry *e);
bool entry__is_current(struct session *s, const struct entry *e);

/* ---- prepared statements and portals (extended.c) ----------------------------------------- */

struct statement {
    struct entry *entry; /* NULL: an empty query */
    int64_t made;        /* microseconds since 2000 */
    char *text;          /* of the PREPARE; NULL: made by the protocol */
};

/*
 * The rows of a statement that are sent in portions, with a place among them: up to 1 MiB in
 * memory, then in an unlinked temporary file.
 */
struct spool {
    struct buf memory; /* what is not in the file yet */
    int fd;            /* -1: none */
    uint64_t len;      /* of the file */
    int64_t rows;
    struct error *failed; /* what happened behind the last row, for whoever asks for more */
    /* on row `at`, whose end is at byte `pos`; 0: before the first; rows + 1: after the last */
    int64_t at;
    uint64_t pos;
    struct buf row; /* the one that was read last */
};

/* A bound statement of the protocol, or a cursor of SQL: they share their names. */
struct portal {
    struct entry *entry;    /* NULL: an empty query */
    struct entry *executed; /* what EXECUTE ran, when it did */
    struct arena arena;
    struct value *values;
    int n_formats;
    int16_t *formats;
    bool ran;     /* executed */
    bool failed;  /* a FETCH from it: no other is let */
    bool active;  /* being executed: a COMMIT does not end its own portal */
    bool cursor;  /* made by DECLARE .. */
    bool hold;    /* .. WITH HOLD .. */
    bool held;    /* .. and its transaction has committed */
    bool forward; /* NO SCROLL */
    bool binary;
    int depth;    /* savepoints that there were when it was made */
    int64_t made; /* microseconds since 2000 */
    struct spool *spool;
};

/* ---- sessions ----------------------------------------------------------------------------- */

enum terminate {
    TERMINATE_NO,
    TERMINATE_SHUTDOWN,
    TERMINATE_IDLE_TXN,
    TERMINATE_IDLE,
    TERMINATE_STARTUP,
    TERMINATE_LOCKS, /* its advisory locks are lost */
};

/* What others are told of a session (activity.c). */
struct shown {
    int64_t backend_start; /* this and all times: microseconds since 2000; 0: none */
    _Atomic int64_t xact_start, query_start, state_change;
    _Atomic char state;   /* 'A': runs something; else as ReadyForQuery says */
    bool due;             /* the next message is another moment than query_start */
    pthread_mutex_t lock; /* guards all below */
    char application[64];
    struct entry *entry; /* whose text it runs; NULL: */
    char *query;
    size_t cap; /* of query */
};

struct session {
    struct gateway *gateway;
    struct session *prev, *next; /* in gateway.sessions; guarded by gateway.lock */
    int fd;
    uint32_t pid, secret;

    /* other threads set these */
    _Atomic int terminate; /* enum terminate */
    _Atomic bool leave;    /* end it between two transactions */
    _Atomic bool cancel;   /* the current statement */
    _Atomic bool timed_out;
    /* read by the timer: when the running statement, or the idle transaction, has to end; 0: never
     */
    _Atomic uint64_t statement_deadline, idle_deadline;

    struct shown shown;

    /* ReadyForQuery outside of a transaction was the last word; other threads read it */
    _Atomic bool between;

    struct worker *worker; /* who serves it; NULL: parked */
    struct buf in;
    size_t in_pos; /* consumed */
    struct buf out;
    uint64_t flushed; /* bytes sent so far */
    bool flush;       /* send what is in `out` before waiting */
    bool broken;      /* the connection is: nothing more is sent or read */
    bool closing;     /* after what is in `out` */

    _Atomic bool started;
    bool internal;
    bool counted; /* in gateway.clients or .peers */
    uint64_t born_ms;
    char *user;
    char *database;           /* set under gateway.lock, read by others under it */
    char *names;              /* sql_names(): follows the settings, and temporary tables */
    bool refreshes;           /* sql_context.refreshes */
    uint64_t temp_generation; /* exec_temp_generation() that it is of */
    struct random random;
    struct style style; /* TimeZone, DateStyle, IntervalStyle; its thread's while it has one */
    size_t names_len;
    char *peer; /* internal: the other server's name */
    struct exec_session *exec;
    struct settings settings;
    const struct encoding *encoding; /* that the client speaks; NULL: UTF-8. See recode.c */
    const char *sent;                /* current_query(): until the client is to send more */

    /* transactions */
    char txn;      /* 'I', 'T', 'E' */
    bool implicit; /* exec has a transaction that the client did not ask for */
    bool read_only, deferrable;
    int read_only_depth; /* of the savepoint inside of which it was said to be; 0: of none */
    bool queried;        /* a statement read or wrote something: its modes are settled */
    bool savepoints;     /* there may be some: a failed transaction is kept for ROLLBACK TO */
    char *isolation;     /* of this transaction; NULL: the default */

    struct notify *notify; /* notify.c; NULL: never used */

    /* internal sessions: prepared texts, and what is bound */
    struct map internal_texts;
    const char *internal_bound; /* one of the texts; NULL: nothing */
    bool internal_has_args;
    struct buf internal_args;

    /* extended protocol */
    bool skip_to_sync;
    struct map statements, portals; /* by name; the unnamed ones: */
    struct statement *unnamed;
    struct portal unnamed_portal;
    bool has_unnamed_portal;
};

/* What a pool thread lends to the session that it serves. */
struct worker {
    struct gateway *gateway;
    struct arena arena; /* for one message */
    struct buf in, out, key;
};

struct gateway {
    struct gateway_options o;
    char *name;
    int epoll, wake_fd;
    struct cache cache;

    pthread_mutex_t lock;
    struct session *sessions;
    struct map by_pid;
    uint32_t next_pid, pid_base; /* a session's is both */
    unsigned listening;          /* sessions that LISTEN */
    unsigned clients, peers;

    _Atomic int threads, idle;
    _Atomic bool draining, closing;
    pthread_cond_t changed; /* a thread or a session ended; with `lock` */

    pthread_t timer;
    bool timer_runs;
    pthread_cond_t timer_wake; /* with `lock`: `timed` or `closing` changed */
    _Atomic unsigned timed;    /* sessions with a timeout set: the timer looks often */
};

/* session.c */
struct session *session__new(struct gateway *g, int fd);
void session__serve(struct worker *w, struct session *s);
void session__free(struct session *s);
/* Other clients' sessions in a database: how many; with `end` they are ended. */
int session__in_database(struct session *s, const char *database, bool end);
/* From any thread, under gateway.lock: ends it soon. */
void session__terminate(struct session *s, enum terminate why);
/* The same: ends it with 57P01 as soon as it is between two transactions. */
void session__leave(struct session *s);
void session__cancel(struct session *s);
/* Sends it and, except in `FATAL`, marks the transaction as failed. Takes the error. */
void session__report(struct session *s, struct error *e, const char *where);
void session__fatal(struct session *s, struct error *e);
/* As PostgreSQL: what does not begin like one of our clients gets no answer. Takes the error. */
void session__not_a_client(struct session *s, struct error *e);
void session__notice(struct session *s, enum notice_level level, const char *sqlstate,
                     const char *format, ...) PRINTF_LIKE(4, 5);
void session__notice_text(struct session *s, enum notice_level level, const char *sqlstate,
                          const char *message, const char *detail);
void session__ready(struct session *s);

/* activity.c */
void activity__init(struct session *s);
void activity__done(struct session *s);
void activity__begin(struct session *s);                   /* a message of the client's */
void activity__query(struct session *s, const char *text); /* what it runs */
void activity__entry(struct session *s, struct entry *e);  /* the same */
void activity__idle(struct session *s, char state);        /* as ReadyForQuery says */
int64_t activity__now(const struct session *s);            /* when its message came */
int64_t activity__moment(void);                            /* now, to the microsecond */
void activity__name(struct session *s, const char *application);
/* for struct exec_session_io */
int activity__list(void *ctx, struct arena *a, struct exec_activity **ret);
bool activity__signal(void *ctx, int32_t pid, bool terminate);
const char *activity__sent(void *ctx);
void activity__warn(void *ctx, const char *sqlstate, const char *text);
bool activity__address(void *ctx, bool server, struct arena *a, const char **ret_host,
                       int *ret_port);
/* recode.c. `e` NULL: nothing is done. 22P05 */
struct error *recode__message(const struct session *s, struct pgwire_frame *f);
struct error *recode__value(const struct encoding *e, const struct type *t, int16_t format,
                            struct arena *a, const char **p, size_t *n);
/* What stands in a buffer from there on: text; a field; whole messages of s->out, never failing. */
struct error *recode__tail(const struct encoding *e, struct buf *b, size_t from);
struct error *recode__field(const struct encoding *e, const struct type *t, int16_t format,
                            struct buf *b, size_t from);
void recode__sent(struct session *s, size_t from);
const char *recode__name(const struct session *s, const char *name); /* in the worker's arena */

/* implicit.c: at client_min_messages = debug1 */
void implicit__tell(struct session *s, const struct query *q);

/* listing.c: the session's own, for statements that ask */
int listing__prepared(void *ctx, struct arena *a, struct exec_prepared **ret);
int listing__cursors(void *ctx, struct arena *a, struct exec_cursor **ret);
int listing__channels(void *ctx, struct arena *a, const char ***ret);
/* The channels that the session listens to; into the arena. */
int notify__channels(struct session *s, struct arena *a, const char ***ret);

/* startup.c */
void startup__message(struct session *s, const struct pgwire_frame *f);

/* io.c: all return false when the connection is gone (session.broken is set). */
bool io__flush(struct session *s);
/* More bytes into `in`. *ret_quiet: none came within QUIET_MS (only when `wait` is false). */
bool io__receive(struct session *s, bool wait, bool *ret_quiet);
/* The next message, waited for as long as it takes (COPY, links). An error when the session ends.
 */
struct error *io__next(struct session *s, struct pgwire_frame *ret);
/* A peer that takes nothing for so long is given up by the network. */
void io__bound_silence(struct session *s, unsigned ms);
/* The next message if it is there already, without taking it. */
bool io__peek(struct session *s, size_t *offset, struct pgwire_frame *ret);

/* output.c: the result of one statement on its way to the client. */
struct output {
    struct session *s;
    const struct entry *e;
    int n_formats;
    const int16_t *formats;
    bool describe; /* RowDescription goes before the rows (simple queries) */
    bool described;
    bool prepared;          /* EXECUTE: the columns are those of PREPARE */
    struct spool *spool;    /* gets the rows instead of the client; NULL: none */
    struct entry *executed; /* by EXECUTE, when there is a spool; the caller's */
    int64_t rows;
    size_t mark; /* where the statement's output begins in `out`, while `flushed` is this: */
    uint64_t flushed_mark;
};
void output__begin(struct output *o);
struct error *output__row(void *ctx, const struct value *values, int n);
bool output__reset(void *ctx);
void output__describe(struct output *o, struct buf *out);
void output__prepare(struct entry *e);                                    /* its description */
void output__text_row(struct output *o, const char *const *texts, int n); /* of text columns */
void output__complete(struct output *o, int64_t rows);
void output__tag(struct session *s, const char *tag,
                 int64_t rows); /* CommandComplete "<tag> <rows>" */

/* spool.c */
struct spool *spool__new(void);
void spool__free(struct spool *p); /* NULL is fine */
void spool__clear(struct spool *p);
struct error *spool__put(struct spool *p, const struct value *values, int n);
/* One row forward or back. *ret_n < 0: there is none. The values last until the next call. */
struct error *spool__next(struct spool *p, struct value *ret, int max, int *ret_n);
struct error *spool__previous(struct spool *p, struct value *ret, int max, int *ret_n);

/* statement.c */
/* Where a statement's parameters come from: it must have none, those of the client or of PREPARE,
 * literals that were lifted out of its text. */
enum params { PARAMS_NONE, PARAMS_CLIENT, PARAMS_LIFTED };
/* Analyses and plans one statement of a parsed script. types: see sql_context. The entry is new,
 * with one reference. */
struct error *statement__plan(struct session *s, const struct sql_stmt *stmt, const uint32_t *types,
                              int n_types, enum params params, struct entry **ret);
/* Runs *e and sends its result, CommandComplete included. *e is replaced when it was stale. */
struct error *statement__run(struct session *s, struct entry **e, const struct value *values,
                             struct output *o, const char **ret_where);
/* Runs *e's plan, again and with another plan as long as it turns out to be stale. */
struct error *statement__run_plan(struct session *s, struct entry **e, const struct value *values,
                                  struct output *o);
/* A statement without rows that can't be analysed yet, as what it speaks of is not there: whoever
 * prepares a DROP may send the CREATE meanwhile. */
struct entry *statement__defer(const struct sql_stmt *stmt);
/* Plans *e anew. `same_columns`: 0A000 when its result columns changed, since the client knows
 * them. */
struct error *statement__refresh(struct session *s, struct entry **e, bool same_columns);
/* May it run now? 25P02 in a failed transaction. */
struct error *statement__allowed(struct session *s, const struct query *q);
/* A write whose rows may turn out not to fit the client's encoding: it needs a transaction. */
bool statement__may_not_tell(const struct session *s, const struct entry *e);
/* Is it something that belongs into a transaction? */
bool statement__transactional(const struct query *q);
struct error *value__read(const struct type *t, int16_t format, const char *p, size_t n,
                          int32_t typmod, struct arena *a, struct value *ret);

/* transaction.c */
struct error *transaction__run(struct session *s, const struct query *q, const char **ret_tag);
struct error *transaction__set_modes(struct session *s, const struct transaction_modes *m,
                                     bool session);
/* Tells exec/ the transaction's isolation level and access mode. */
void transaction__isolate(struct session *s);
/* Of any block, the implicit one of a pipeline or of several statements in one query included. */
static inline bool transaction__outside(const struct session *s)
{
    return s->txn == 'I' && !s->implicit;
}
struct error *transaction__begin_implicit(struct session *s);
/* Commits the implicit one, if any. */
struct error *transaction__end_implicit(struct session *s);
void transaction__failed(struct session *s); /* after any error */

/* notify.c */
struct error *notify__run(struct session *s, const struct query *q); /* (UN)LISTEN, NOTIFY */
struct error *notify__call(void *session, const char *channel, const char *payload);
struct error *notify__from_peer(struct gateway *g, const char *text);
/* Sends, or forgets, what the transaction asked for. */
void notify__transaction_end(struct session *s, bool committed);
void notify__undone(struct session *s, int depth); /* back to so many savepoints */
void notify__released(struct session *s, int depth);
bool notify__listens(const struct session *s);
void notify__take(struct session *s); /* the inbox, into `out` */
void notify__wait(struct session *s); /* for the client, or for something in the inbox */
void notify__free(struct session *s);

/* simple.c, extended.c, copy.c, prepare.c, internal.c */
void simple__query(struct session *s, const char *text);
void extended__message(struct session *s, const struct pgwire_frame *f);
void extended__sync(struct session *s);
void extended__free_statement(struct statement *st);
struct statement *extended__find(struct session *s, const char *name);
struct error *extended__no_statement(const char *name);
/* Puts it under a new name. Takes the entry. 42P05 when there is one. */
struct error *extended__add(struct session *s, const char *name, struct entry *e, const char *text);
void extended__forget(struct session *s, const char *name);
void extended__drop_statements(struct session *s);
struct portal *extended__find_portal(struct session *s, const char *name);
/* 42P03 when there is one of that name. */
struct error *extended__new_portal(struct session *s, const char *name, struct portal **ret);
void extended__close_portal(struct session *s, const char *name);
/* The transaction is over: portals go, except those that WITH HOLD keeps. */
void extended__end_portals(struct session *s, bool committed);
/* Those that were made under more savepoints than there are now: gone, or its parent's. */
void extended__end_depth(struct session *s, int depth, bool undone);
void extended__drop_portals(struct session *s); /* all */
bool extended__sync_follows(struct session *s);
struct error *copy__run(struct session *s, struct entry **e, struct output *o,
                        const char **ret_where);
/* PREPARE, EXECUTE, DEALLOCATE. */
struct error *prepare__run(struct session *s, struct entry *e, struct output *o,
                           const char **ret_where);
/* What an EXECUTE is of, when there is such a statement; of others itself. */
const struct entry *prepare__executed(struct session *s, const struct entry *e);
/* cursor.c: DECLARE, FETCH, MOVE, CLOSE; Execute with a row limit. */
struct error *cursor__run(struct session *s, struct entry **e, const struct value *values,
                          struct output *o, const char **ret_tag);
/* The cursor whose rows a FETCH gives, to describe them; NULL: none (or MOVE). */
const struct portal *cursor__fetched(struct session *s, const struct query *q);
/* Sends up to `limit` rows of the portal's spool; true: the limit was reached. */
struct error *cursor__send(struct session *s, struct portal *p, int64_t limit, int64_t *ret_sent);
/* WHERE CURRENT OF: the ctid of the row on which the cursor is. Into the worker's arena. */
struct error *cursor__current(struct session *s, const char *name, const struct table *t,
                              struct value *ret);
void internal__query(struct session *s, const char *text);
void internal__message(struct session *s, const struct pgwire_frame *f);

/* pool.c */
struct error *pool__start(struct gateway *g);
void pool__stop(struct gateway *g);
void pool__park(struct session *s);              /* the last touch of it by its thread */
void pool__timed(struct gateway *g, int change); /* sessions with a timeout: one more, one less */
/* Waits for a condition of g->lock, which is held. */
void pool__wait(struct gateway *g, pthread_cond_t *cond, unsigned ms);
