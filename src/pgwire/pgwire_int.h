/* pgwire, inside: the reader of COPY rows, shared by its text and binary halves. */
#pragma once

#include "pgwire/pgwire.h"

/* Where a field lies in its row, in bytes from the row's start. `special`: it has escapes or quotes
 * to take out. */
struct copy_span {
    size_t from, to;
    bool special;
};

struct pgwire_copy {
    struct pgwire_copy_options o;
    char *null_string;
    size_t null_len;
    int max_fields;

    /* What is read: the caller's chunk, or `hold` while a row spans chunks. */
    const char *data;
    size_t len;
    size_t start; /* of the current row */
    size_t pos;   /* everything before it has been looked at */
    struct buf hold;
    bool finishing; /* no more chunks */
    bool ended;     /* the end marker was seen: what follows is ignored */

    /* The current row so far. */
    int n;
    size_t field; /* where the current field begins, from the row's start */
    bool special, in_quote;
    struct copy_span *spans;          /* max_fields + 1 */
    struct pgwire_copy_field *fields; /* the same number */
    struct buf scratch;               /* fields with their escapes taken out */

    uint64_t line; /* the one being read; from 1 */
    bool counted;  /* the current row's line is in it */
    enum { EOL_UNKNOWN, EOL_NL, EOL_CR, EOL_CRNL } eol;
    bool skip_header;
    bool started;                        /* binary: the header was read */
    uint8_t stop[256], quoted_stop[256]; /* bytes that mean something, outside and inside quotes */
};

struct error *pgwire__copy_next_binary(struct pgwire_copy *c, enum pgwire_copy_step *ret_step,
                                       struct pgwire_copy_row *ret);
