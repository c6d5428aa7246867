/*
 * What the files of the shell share: the session, and who does what with it.
 *
 *   options.c  the command line            connect.c  servers, connecting, connecting again
 *   loop.c     lines -> statements         run.c      one statement: send, show, or say what failed
 *   prompt.c   editing, history, names     command.c  \x and the bare words (quit, clear, ..)
 *   copy.c     COPY and \copy              describe.c \d, \dt, \di
 *   operate.c  status, servers, tables, regions, clear
 *   fsck_int.h says the same of fsck and recover
 *
 * One thread. The only thing that a signal handler touches is run.c's cancel object.
 */
#pragma once

#include "minisql/minisql.h"

#include <libpq-fe.h>
#include <setjmp.h>
#include <signal.h>

enum outcome {
    RUN_OK,
    RUN_FAILED, /* the statement or command failed; an error was printed */
    RUN_LOST,   /* there is no connection any more, and no server answers */
    RUN_QUIT,
};

enum { EXIT_OK = 0, EXIT_ERROR = 1, EXIT_NO_CONNECTION = 2, EXIT_SCRIPT = 3 };

struct endpoint {
    char *name; /* NULL until a server told us */
    char *host, *port;
};

/* -c TEXT or -f FILE, in the order given */
struct action {
    bool file;
    const char *text;
};

struct options {
    const char *hosts, *port, *user, *database;
    struct action *actions;
    size_t n_actions;
    char **command; /* the words after the options, NULL-terminated */
    int n_command;
};

/* Where lines come from. Nested by \i. */
struct input {
    FILE *file;       /* NULL: the prompt */
    const char *name; /* for messages; NULL: none needed */
    size_t line;
    struct input *outer;
};

/* Names offered by completion. */
struct names {
    char **v;
    size_t n;
};

struct session {
    struct options options;
    PGconn *conn;
    struct endpoint *servers; /* those given with -h first, then learned ones */
    size_t n_servers;
    size_t current; /* index into servers */
    FILE *out;      /* where results go: stdout, or what \o opened */
    struct minisql_style style;
    char *null_text, *separator; /* set by \pset; owned, what `style` then points at */
    bool interactive, quiet, timing, on_error_stop;
    struct input *input;
    struct buf query; /* the statement being typed */
    char *last;       /* the statement before, for \g and \e; may be NULL */
    struct minisql_splitter splitter;
    struct names tables, columns;
    bool names_stale;
    uint64_t learned_ms; /* when the list of servers was last asked for */
    /* What \copy reads or writes instead of the script and the output; NULL: those. */
    FILE *copy_file;
    bool copied_out;    /* COPY's rows went to the output just now */
    uint64_t copy_size; /* for the progress bar; 0: unknown */
};

/* ---- options.c */
/* Returns false when the program ends here with *ret_status (--help, or a mistake). */
bool minisql__parse_options(struct session *s, int argc, char **argv, int *ret_status);
void minisql__usage(FILE *out);

/* ---- connect.c */
struct error *minisql__add_servers(struct session *s, const char *hosts,
                                   const char *port) MUST_CHECK;
enum outcome minisql__connect(struct session *s); /* to the first of the list that answers */
/* After the connection broke: says so, tries all known servers for some seconds. */
enum outcome minisql__reconnect(struct session *s);
/* False when the server has hung up meanwhile: nothing was sent to it yet. */
bool minisql__alive(struct session *s);
void minisql__learn(struct session *s); /* asks the cluster for its other servers */
char *minisql__where(const struct session *s) MUST_CHECK; /* "s1 (127.0.0.1:5433)" */

/* ---- run.c */
enum outcome minisql__run(struct session *s, const char *sql);
/* Runs a query for the shell's own use and gives its rows; prints the error and returns NULL when
 * it fails, unless `quiet`. The caller clears the result. */
PGresult *minisql__query(struct session *s, const char *sql, bool quiet);
void minisql__show(struct session *s, const PGresult *result, const char *title);
void minisql__draw(struct session *s, const struct minisql_table *t);
void minisql__complain(struct session *s, const char *format, ...) PRINTF_LIKE(2, 3);
void minisql__install_signals(void);
/* Ctrl-C: cancels the running statement, or jumps here while the prompt reads a line. */
extern sigjmp_buf minisql__prompt_jump;
extern volatile sig_atomic_t minisql__prompt_reads, minisql__interrupted;

/* ---- loop.c */
enum outcome minisql__read_input(struct session *s, FILE *file, const char *name);
enum outcome minisql__include(struct session *s, const char *path);
char *minisql__next_line(struct session *s, const char *prompt); /* NULL at the end; caller frees */
enum outcome minisql__run_buffer(struct session *s);             /* runs and empties s->query */

/* ---- prompt.c */
void minisql__prompt_init(struct session *s);
void minisql__prompt_done(struct session *s);
char *minisql__prompt_line(struct session *s, const char *prompt);
void minisql__prompt_completes(bool on);
void minisql__remember(const char *statement); /* in the history */
void minisql__names_done(struct names *n);

/* ---- command.c */
enum outcome minisql__backslash(struct session *s, const char *line);
/* quit, clear, execfile ..: sets *ret_done when the line was such a command. */
enum outcome minisql__word_command(struct session *s, const char *line, bool *ret_done);
/* The next argument of a command line, quotes taken off; NULL at its end. Moves *line. */
char *minisql__next_argument(const char **line) MUST_CHECK;

/* ---- copy.c */
/* The server wants (has) COPY data: from (to) s->copy_file, or the script and the output. */
enum outcome minisql__copy_in(struct session *s);
enum outcome minisql__copy_out(struct session *s);
enum outcome minisql__copy_command(struct session *s, const char *arguments);

/* ---- describe.c */
enum outcome minisql__describe(struct session *s, const char *table);
enum outcome minisql__list_tables(struct session *s);
enum outcome minisql__list_indexes(struct session *s);

/* ---- operate.c */
/* status, servers, tables, regions, clear: sets *ret_known when the word is one of these. */
enum outcome minisql__operate(struct session *s, const char *word, bool yes, bool *ret_known);

/* ---- move.c */
enum outcome minisql__move(struct session *s, const char *table, const char *from, const char *to);
enum outcome minisql__drain(struct session *s, const char *server, bool undo);
enum outcome minisql__watch_regions(struct session *s);

/* ---- fsck.c, recover.c: commands with an exit status of their own; they connect by themselves */
int minisql__fsck(struct session *s);
int minisql__recover(struct session *s);
