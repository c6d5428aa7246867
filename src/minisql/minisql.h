/*
 * minisql: the shell and the operator's commands.
 *
 * The program is minisql_main(); the two pure parts that it rests on, finding where a statement
 * ends and drawing a table, are public so that they are tested without a server.
 */
#pragma once

#include "base/base.h"

#include <stdio.h>

/* Runs the program; returns its exit status: 0 all went well, 1 a command failed, 2 the connection
 * could not be made or was lost for good, 3 a script stopped at an error (ON_ERROR_STOP). */
int minisql_main(int argc, char **argv);

/* ---- where a statement ends (split.c) ------------------------------------------------------ */

enum minisql_split {
    MINISQL_SPLIT_MORE,      /* the text ends inside a statement (or holds none) */
    MINISQL_SPLIT_STATEMENT, /* a statement ends before *ret_end, its semicolon included */
    MINISQL_SPLIT_BACKSLASH, /* a backslash command starts at *ret_end */
};

/* Where the scan stands. {0} is the start of a statement. */
struct minisql_splitter {
    size_t pos;   /* bytes of the text looked at so far */
    char inside;  /* 0, or what is open: ' E(scape string) " $ * (comment) */
    int parens;   /* open parentheses */
    int comments; /* open comments: they nest */
    bool some;    /* there is something other than blanks and comments */
    char *tag;    /* of the open dollar quote, with both dollars; owned */
};

/*
 * Looks on from s->pos in `text`, which must start with the same bytes as in the call before. The
 * caller feeds a text that grows line by line, and resets the splitter after it took a statement
 * off.
 */
enum minisql_split minisql_split(struct minisql_splitter *s, const char *text, size_t len,
                                 size_t *ret_end);
void minisql_split_reset(struct minisql_splitter *s);
/* The character after the database's name in the prompt: = - ' " $ * ( as psql shows them. */
char minisql_split_prompt(const struct minisql_splitter *s);
/* Whether running `sql` twice does no more than running it once: it only reads. Errs on "no". */
bool minisql_reads_only(const char *sql);

/* ---- drawing a table (table.c) -------------------------------------------------------------- */

enum minisql_kind { MINISQL_TEXT, MINISQL_NUMBER, MINISQL_BOOL };

/* What is drawn. Everything is borrowed; `cell` gives NULL for SQL's NULL. */
struct minisql_table {
    size_t columns, rows;
    const char *title; /* or NULL */
    const char *const *names;
    const enum minisql_kind *kinds;
    const char *(*cell)(const struct minisql_table *t, size_t row, size_t column);
    const void *source; /* for `cell` */
    const char *footer; /* lines below; NULL: "(3 rows)"; "": none */
};

enum minisql_format { MINISQL_ALIGNED, MINISQL_UNALIGNED, MINISQL_CSV, MINISQL_JSON };

struct minisql_style {
    enum minisql_format format;
    bool expanded;    /* a line for each column */
    bool tuples_only; /* no names, no footer */
    const char *null_text;
    const char *separator; /* between fields, unaligned */
};

void minisql_draw(const struct minisql_table *t, const struct minisql_style *style, FILE *out);
/* Columns that the text takes on a terminal, and the number of code points with no place of their
 * own counted as none. Bytes that are not UTF-8 count one each. */
size_t minisql_text_width(const char *text, size_t len);
