/*
 * pgwire: PostgreSQL's protocol, version 3, as functions over bytes. No sockets, no state but what
 * is passed in.
 *
 * From a client: pgwire_next_frame() cuts the byte stream into messages under the limits of the
 * phase, pgwire_decode_*() read one message's body. Everything decoded borrows the body's bytes.
 * The bytes may be garbage: 08P01 with PostgreSQL's texts.
 *
 * To a client: pgwire_put_*() append whole messages to a buffer; rows are built in place with
 * pgwire_begin() .. pgwire_end().
 *
 * COPY: pgwire_copy_*() read rows out of chunks of text, csv or binary, wherever the chunks are
 * cut; pgwire_copy_put_*() write them.
 *
 * Source: PostgreSQL 15 manual, chapter 55 (Frontend/Backend Protocol) and the COPY page.
 */
#pragma once

#include "base/base.h"

/* ---- framing ------------------------------------------------------------------------------ */

enum {
    PGWIRE_MAX_STARTUP = 10000,
    PGWIRE_MAX_PASSWORD = 65535,
    PGWIRE_MAX_SMALL = 30000, /* messages that carry a name or two */
    PGWIRE_MAX_MESSAGE = 1 << 30,
};

/* Which messages may come: the first one has no type byte. */
enum pgwire_phase { PGWIRE_STARTING, PGWIRE_RUNNING };

struct pgwire_frame {
    char type; /* 0 in PGWIRE_STARTING */
    const char *body;
    size_t len;   /* of the body */
    size_t total; /* bytes that the message takes in the stream */
};

/* The message at the start of `data`. *ret_need = 0: it is complete and in *ret; else that many
 * bytes from `data` on are wanted (the header at first, then the whole message). 08P01 for an
 * unknown type or a length outside its limits. */
struct error *pgwire_next_frame(enum pgwire_phase phase, const char *data, size_t len,
                                struct pgwire_frame *ret, size_t *ret_need);

/* ---- messages from a client --------------------------------------------------------------- */

enum pgwire_start_kind {
    PGWIRE_START_SESSION,
    PGWIRE_START_SSL,
    PGWIRE_START_GSSENC,
    PGWIRE_START_CANCEL,
};
enum { PGWIRE_MAX_STARTUP_OPTIONS = 64 };

struct pgwire_start {
    enum pgwire_start_kind kind;
    uint16_t minor; /* of protocol 3.x, as asked for */
    int n;
    const char *names[PGWIRE_MAX_STARTUP_OPTIONS];
    const char *values[PGWIRE_MAX_STARTUP_OPTIONS];
    uint32_t cancel_pid, cancel_secret;
};
/* 0A000 for another major version. */
struct error *pgwire_decode_start(const struct pgwire_frame *f, struct pgwire_start *ret);

struct pgwire_parse {
    const char *statement, *query;
    int n_types;
    const uint32_t *types; /* in the arena; 0: not given */
};
struct pgwire_param {
    const char *data; /* NULL: null */
    uint32_t len;
    int16_t format; /* 0 text, 1 binary */
};
struct pgwire_bind {
    const char *portal, *statement;
    int n_params;
    struct pgwire_param *params; /* in the arena */
    int n_results;               /* 0: all text; 1: for all columns; else one for each */
    int16_t *results;            /* in the arena */
};
struct pgwire_execute {
    const char *portal;
    int32_t max_rows; /* <= 0: all */
};
struct pgwire_target { /* Describe, Close */
    char kind;         /* 'S'tatement or 'P'ortal */
    const char *name;
};

struct error *pgwire_decode_query(const struct pgwire_frame *f, const char **ret);
struct error *pgwire_decode_parse(const struct pgwire_frame *f, struct arena *a,
                                  struct pgwire_parse *ret);
struct error *pgwire_decode_bind(const struct pgwire_frame *f, struct arena *a,
                                 struct pgwire_bind *ret);
struct error *pgwire_decode_execute(const struct pgwire_frame *f, struct pgwire_execute *ret);
struct error *pgwire_decode_target(const struct pgwire_frame *f, struct pgwire_target *ret);
struct error *pgwire_decode_copy_fail(const struct pgwire_frame *f, const char **ret_reason);
struct error *pgwire_decode_password(const struct pgwire_frame *f, const char **ret);
/* Sync, Flush, CopyDone, Terminate have nothing in them. */
struct error *pgwire_decode_empty(const struct pgwire_frame *f);

/* ---- messages to a client ----------------------------------------------------------------- */

/* Starts a message; returns where its length goes. */
static inline size_t pgwire_begin(struct buf *b, char type)
{
    buf_reserve(b, 5);
    b->data[b->len] = type;
    b->len += 5;
    return b->len - 4;
}
static inline void pgwire_set32(struct buf *b, size_t at, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(b->data + at, &v, 4);
}
/* Ends it: everything appended since is its body. */
static inline void pgwire_end(struct buf *b, size_t at)
{
    pgwire_set32(b, at, (uint32_t)(b->len - at));
}

enum pgwire_copy_answer { PGWIRE_COPY_IN = 'G', PGWIRE_COPY_OUT = 'H', PGWIRE_COPY_BOTH = 'W' };

/* Messages without a body. */
enum pgwire_plain {
    PGWIRE_PARSE_COMPLETE = '1',
    PGWIRE_BIND_COMPLETE = '2',
    PGWIRE_CLOSE_COMPLETE = '3',
    PGWIRE_NO_DATA = 'n',
    PGWIRE_PORTAL_SUSPENDED = 's',
    PGWIRE_EMPTY_QUERY = 'I',
    PGWIRE_COPY_DONE = 'c',
};
void pgwire_put_plain(struct buf *b, enum pgwire_plain type);

void pgwire_put_auth_ok(struct buf *b);
void pgwire_put_negotiate(struct buf *b, uint32_t minor, const char *const *options, int n);
void pgwire_put_parameter(struct buf *b, const char *name, const char *value);
void pgwire_put_key(struct buf *b, uint32_t pid, uint32_t secret);
void pgwire_put_notification(struct buf *b, uint32_t pid, const char *channel, const char *payload);
void pgwire_put_ready(struct buf *b, char txn_state); /* 'I', 'T', 'E' */
void pgwire_put_complete(struct buf *b, const char *tag);
void pgwire_put_param_types(struct buf *b, const uint32_t *types, int n);
/* RowDescription: begin with the number of columns, a column each, end. */
size_t pgwire_begin_columns(struct buf *b, int n);
struct pgwire_column {
    const char *name;
    uint32_t table; /* oid, and number from 1 there; 0: it is no relation's column */
    int number;
    uint32_t type;
    int16_t size;
    int32_t typmod;
    int16_t format;
};
void pgwire_put_column(struct buf *b, const struct pgwire_column *c);
/* DataRow: begin with the number of values; then for each, a 32-bit length (-1: null) and bytes. */
static inline size_t pgwire_begin_row(struct buf *b, int n)
{
    size_t at = pgwire_begin(b, 'D');
    buf_put16(b, (uint16_t)n);
    return at;
}
void pgwire_put_copy_answer(struct buf *b, enum pgwire_copy_answer kind, int16_t format, int n);
void pgwire_put_copy_data(struct buf *b, const void *data, size_t len);

/* ErrorResponse ("ERROR", "FATAL") or NoticeResponse ("WARNING", "NOTICE", ..), by severity.
 * `where` is the CONTEXT line; NULL: none. */
void pgwire_put_error(struct buf *b, const char *severity, const struct error *e,
                      const char *where);

/* ---- text --------------------------------------------------------------------------------- */

/* 22021 with PostgreSQL's text when the bytes are not UTF-8, or hold a zero. */
struct error *pgwire_check_utf8(const char *s, size_t n);
/* Without the bytes that are not UTF-8: messages cut texts at a number of bytes. */
void pgwire_put_utf8(struct buf *b, const char *s);

/* ---- COPY --------------------------------------------------------------------------------- */

enum pgwire_copy_format { PGWIRE_TEXT, PGWIRE_CSV, PGWIRE_BINARY };

struct pgwire_copy_options {
    enum pgwire_copy_format format;
    char delimiter, quote, escape;           /* quote and escape: csv only */
    bool header;                             /* the first row is no data */
    const char *null_string;                 /* borrowed */
    const bool *force_quote;                 /* csv output, one for each column; NULL: none */
    const bool *force_not_null, *force_null; /* csv input; NULL: none */
};
/* PostgreSQL's defaults of a format. */
struct pgwire_copy_options pgwire_copy_defaults(enum pgwire_copy_format format);

struct pgwire_copy_field {
    const char *p; /* NULL: null */
    size_t n;
};
struct pgwire_copy_row {
    int n;                                  /* fields; at most max_fields + 1 */
    const struct pgwire_copy_field *fields; /* they and their bytes live until the next call */
    uint64_t line;                          /* from 1; where the row ends, as PostgreSQL counts */
    const char *raw;                        /* the line itself; text and csv */
    size_t raw_len;
};

/*
 * A reader of rows. Feed a chunk, take rows until PGWIRE_COPY_MORE, feed the next one; after the
 * last chunk call pgwire_copy_finish() and take rows until PGWIRE_COPY_END. A row that is cut by
 * the end of a chunk is kept, and scanned on from where it was cut, so the work is linear however
 * small the chunks are.
 */
struct pgwire_copy;
enum pgwire_copy_step { PGWIRE_COPY_MORE, PGWIRE_COPY_ROW, PGWIRE_COPY_END };

struct pgwire_copy *pgwire_copy_new(const struct pgwire_copy_options *o, int max_fields);
void pgwire_copy_free(struct pgwire_copy *c);
/* The chunk is borrowed until the next feed, finish or free. */
void pgwire_copy_feed(struct pgwire_copy *c, const void *data, size_t len);
void pgwire_copy_finish(struct pgwire_copy *c);
/* 22P04 with PostgreSQL's texts. */
struct error *pgwire_copy_next(struct pgwire_copy *c, enum pgwire_copy_step *ret_step,
                               struct pgwire_copy_row *ret);
/* The line that is being read, for an error's context. */
uint64_t pgwire_copy_line(const struct pgwire_copy *c);

/* Output: start once, then rows: start with their number of fields, fields in order, end; finish
 * once. Binary fields are the type's binary form. */
void pgwire_copy_put_start(struct buf *b, const struct pgwire_copy_options *o);
void pgwire_copy_put_row(struct buf *b, const struct pgwire_copy_options *o, int n_fields);
/* index: which field of the row; p NULL: null */
void pgwire_copy_put_field(struct buf *b, const struct pgwire_copy_options *o, int index,
                           const char *p, size_t n);
void pgwire_copy_put_row_end(struct buf *b, const struct pgwire_copy_options *o);
void pgwire_copy_put_finish(struct buf *b, const struct pgwire_copy_options *o);
