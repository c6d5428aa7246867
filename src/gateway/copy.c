/*
 * COPY between a client and a table: the protocol and the formats here, the rows in exec/.
 *
 *   FROM STDIN: CopyInResponse -> CopyData.. -> CopyDone | CopyFail -> CommandComplete |
 * ErrorResponse TO STDOUT:  CopyOutResponse, CopyData (one a row), CopyDone, CommandComplete
 *
 * After an error the client's remaining CopyData is read and ignored by the session's loop. Errors
 * say where: "COPY t, line 3, column a: "x"".
 */
#include "gateway/gateway_int.h"

enum { SHOWN = 100, ROWS_PER_ARENA = 64, MAX_REPLANS = 5 };

/* The statement's options in the codec's terms; the lists of columns go to the arena. */
static const bool *flags(struct arena *a, const struct query *q, const int *list, int n_list, int n)
{
    if (!n_list)
        return NULL;
    bool *set = ARENA_ARRAY(a, bool, n);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n_list; k++)
            set[i] |= list[k] < 0 || (q->copy.columns ? q->copy.columns[i] : i) == list[k];
    return set;
}

static struct pgwire_copy_options options_of(const struct query *q, int n, struct arena *a)
{
    const struct copy_options *o = &q->copy.options;
    enum pgwire_copy_format format = o->format == COPY_CSV      ? PGWIRE_CSV
                                     : o->format == COPY_BINARY ? PGWIRE_BINARY
                                                                : PGWIRE_TEXT;
    struct pgwire_copy_options p = pgwire_copy_defaults(format);
    if (o->delimiter)
        p.delimiter = o->delimiter;
    if (o->quote)
        p.quote = p.escape = o->quote;
    if (o->escape)
        p.escape = o->escape;
    if (o->null)
        p.null_string = o->null;
    p.header = o->header && !o->header_match;
    p.force_quote = flags(a, q, o->force_quote, o->n_force_quote, n);
    p.force_not_null = flags(a, q, o->force_not_null, o->n_force_not_null, n);
    p.force_null = flags(a, q, o->force_null, o->n_force_null, n);
    return p;
}

/* NULL: it is UTF-8. */
static const struct encoding *encoding_of(const struct session *s, const struct query *q)
{
    const struct encoding *said = q->copy.options.encoding;
    return !said ? s->encoding : encoding_is_utf8(said) ? NULL : said;
}

/* ---- FROM STDIN --------------------------------------------------------------------------- */

struct copy_in {
    struct session *s;
    const struct entry *e;
    const struct query *q;
    int n; /* columns */
    const struct type **types;
    int32_t *typmods;
    const char **names;
    struct value *values;
    struct arena arena; /* for this COPY */
    struct arena rows;  /* for some rows */
    int since_reset;
    struct pgwire_copy *reader;
    struct exec_copy *copy;
    const struct encoding *encoding; /* of what comes; NULL: UTF-8 */
    struct buf recoded;              /* the chunk; the row points into it */
    struct buf cut;                  /* half a character at the end of the chunk before */
    uint64_t lines, failed_line;     /* so far; that could not be recoded; 0: none */
    bool match_header;
    /* where it is, for the error's context */
    int column; /* -1: the whole line */
    struct pgwire_copy_row row;
    bool in_row;
};

static void describe_columns(struct copy_in *c)
{
    const struct table *t = c->q->copy.table;
    c->n = c->q->copy.n_columns;
    c->types = ARENA_ARRAY(&c->arena, const struct type *, c->n);
    c->typmods = ARENA_ARRAY(&c->arena, int32_t, c->n);
    c->names = ARENA_ARRAY(&c->arena, const char *, c->n);
    c->values = ARENA_ARRAY(&c->arena, struct value, c->n);
    for (int i = 0; i < c->n; i++) {
        const struct column *column = &t->columns[c->q->copy.columns[i]];
        c->types[i] = type_by_oid(column->type);
        c->typmods[i] = column->typmod;
        c->names[i] = column->name;
    }
}

/* At most SHOWN bytes of it, whole characters, and dots. */
static void put_shown(struct buf *b, const char *p, size_t n)
{
    size_t shown = n;
    if (n > SHOWN)
        for (shown = SHOWN; shown && ((unsigned char)p[shown] & 0xc0) == 0x80; shown--)
            ;
    buf_append(b, p, shown);
    if (shown < n)
        buf_puts(b, "...");
}

/* PostgreSQL's CONTEXT line, in the worker's arena. */
static const char *where_of(struct copy_in *c)
{
    _cleanup_(buf_done) struct buf b = {0};
    uint64_t line = c->failed_line ? c->failed_line : pgwire_copy_line(c->reader);
    buf_printf(&b, "COPY %s, line %llu", c->q->copy.table->name, (unsigned long long)line);
    const struct pgwire_copy_row *r = &c->row;
    bool binary = c->q->copy.options.format == COPY_BINARY;
    if (c->in_row && c->column >= 0) {
        buf_printf(&b, ", column %s", c->names[c->column]);
        const struct pgwire_copy_field *f = &r->fields[c->column];
        if (!f->p)
            buf_puts(&b, ": null input");
        else if (!binary) {
            buf_puts(&b, ": \"");
            put_shown(&b, f->p, f->n);
            buf_puts(&b, "\"");
        }
    } else if (c->in_row && !binary) {
        buf_puts(&b, ": \"");
        put_shown(&b, r->raw, r->raw_len);
        buf_puts(&b, "\"");
    }
    return arena_strdup(&c->s->worker->arena, b.data);
}

static struct error *check_header(struct copy_in *c)
{
    if (c->row.n != c->n)
        return error_new("22P04", "wrong number of fields in header line: got %d, expected %d",
                         c->row.n, c->n);
    for (int i = 0; i < c->n; i++) {
        const struct pgwire_copy_field *f = &c->row.fields[i];
        size_t n = strlen(c->names[i]);
        if (!f->p)
            return error_new("22P04",
                             "column name mismatch in header line field %d: got null value "
                             "(\"%s\"), expected \"%s\"",
                             i + 1, c->q->copy.options.null, c->names[i]);
        if (f->n != n || memcmp(f->p, c->names[i], n) != 0)
            return error_new("22P04",
                             "column name mismatch in header line field %d: got \"%.*s\", expected "
                             "\"%s\"",
                             i + 1, (int)MIN(f->n, (size_t)200), f->p, c->names[i]);
    }
    return NULL;
}

static struct error *binary_field(struct copy_in *c, int i, const struct pgwire_copy_field *f)
{
    const char *p = f->p;
    size_t n = f->n;
    TRY(recode__value(c->encoding, c->types[i], 1, &c->rows, &p, &n));
    return value__read(c->types[i], 1, p, n, c->typmods[i], &c->rows, &c->values[i]);
}

static struct error *one_row(struct copy_in *c)
{
    const struct pgwire_copy_row *r = &c->row;
    bool binary = c->q->copy.options.format == COPY_BINARY;
    c->in_row = true;
    c->column = -1;
    if (!binary)
        TRY(pgwire_check_utf8(r->raw, r->raw_len));
    if (c->q->copy.options.format == COPY_TEXT && memchr(r->raw, '\\', r->raw_len))
        for (int i = 0; i < r->n; i++) /* \xde may have made anything */
            TRY(r->fields[i].p ? pgwire_check_utf8(r->fields[i].p, r->fields[i].n) : NULL);
    if (c->match_header) {
        c->match_header = false;
        return check_header(c);
    }
    if (r->n > c->n)
        return error_new("22P04", "extra data after last expected column");
    for (int i = 0; i < c->n; i++) {
        c->column = i < r->n ? i : -1;
        if (i == r->n)
            return error_new("22P04", "missing data for column \"%s\"", c->names[i]);
        const struct pgwire_copy_field *f = &r->fields[i];
        if (!f->p)
            c->values[i] = (struct value){.kind = VALUE_NULL};
        else if (binary)
            TRY(binary_field(c, i, f));
        else
            TRY(type_parse(c->types[i], f->p, f->n, c->typmods[i], &c->rows, &c->values[i]));
    }
    c->column = -1;
    TRY(exec_copy_row(c->copy, c->values, c->n));
    if (++c->since_reset == ROWS_PER_ARENA) {
        c->since_reset = 0;
        arena_reset(&c->rows);
    }
    c->in_row = false;
    return NULL;
}

/* All rows that are there. */
static struct error *take_rows(struct copy_in *c)
{
    for (;;) {
        enum pgwire_copy_step step;
        c->in_row = false;
        TRY(pgwire_copy_next(c->reader, &step, &c->row));
        if (step != PGWIRE_COPY_ROW)
            return NULL;
        TRY(one_row(c));
    }
}

static uint64_t lines_in(const struct buf *b)
{
    uint64_t n = 0;
    for (size_t i = 0; i < b->len; i++)
        n += b->data[i] == '\n';
    return n;
}

/* Of what can't be recoded, what stands before it still goes its way. */
static struct error *take_chunk(struct copy_in *c, const struct pgwire_frame *f)
{
    if (!c->encoding || c->q->copy.options.format == COPY_BINARY) {
        pgwire_copy_feed(c->reader, f->body, f->len);
        return take_rows(c);
    }
    const char *p = f->body;
    size_t n = f->len, rest = 0;
    if (c->cut.len) {
        buf_append(&c->cut, p, n);
        p = c->cut.data;
        n = c->cut.len;
    }
    buf_clear(&c->recoded);
    struct error *e = encoding_to_utf8(c->encoding, p, n, &rest, &c->recoded);
    char part[4];
    memcpy(part, p + n - rest, rest);
    buf_clear(&c->cut);
    buf_append(&c->cut, part, rest);
    pgwire_copy_feed(c->reader, c->recoded.data ? c->recoded.data : "", c->recoded.len);
    struct error *before = take_rows(c);
    if (before) {
        error_free(e);
        return before;
    }
    c->lines += lines_in(&c->recoded);
    c->in_row = false;
    c->failed_line = e ? c->lines + 1 : 0;
    return e;
}

/* What the client sends, to the end. */
static struct error *receive_all(struct copy_in *c)
{
    for (;;) {
        struct pgwire_frame f;
        TRY(io__next(c->s, &f));
        const char *reason;
        switch (f.type) {
        case 'd':
            TRY(take_chunk(c, &f));
            break;
        case 'c':
            if (c->cut.len)
                return encoding_to_utf8(c->encoding, c->cut.data, c->cut.len, NULL, &c->recoded);
            pgwire_copy_finish(c->reader);
            return take_rows(c);
        case 'f':
            TRY(pgwire_decode_copy_fail(&f, &reason));
            return error_new(E_CANCELED, "COPY from stdin failed: %s", reason);
        case 'H':
        case 'S':
            break;
        default:
            c->s->closing = true;
            return error_new(E_PROTOCOL, "unexpected message type 0x%02X during COPY from stdin",
                             (unsigned char)f.type);
        }
    }
}

static struct error *begin_in(struct copy_in *c, struct entry **e)
{
    for (int tries = 0;; tries++) {
        if (!entry__is_current(c->s, *e))
            TRY(statement__refresh(c->s, e, false));
        struct error *failed = exec_copy_begin(c->s->exec, (*e)->plan, &c->copy);
        if (!error_is(failed, E_STALE_SCHEMA) || tries == MAX_REPLANS)
            return failed;
        error_free(failed);
        TRY(statement__refresh(c->s, e, false));
    }
}

static struct error *copy_from(struct copy_in *c, struct entry **e, int64_t *ret_rows)
{
    struct session *s = c->s;
    TRY(begin_in(c, e));
    c->e = *e;
    c->q = (*e)->query;
    c->encoding = encoding_of(s, c->q);
    describe_columns(c);
    struct pgwire_copy_options o = options_of(c->q, c->n, &c->arena);
    c->match_header = c->q->copy.options.header_match;
    c->reader = pgwire_copy_new(&o, c->n);
    pgwire_put_copy_answer(&s->out, PGWIRE_COPY_IN, o.format == PGWIRE_BINARY, c->n);
    s->flush = true;
    TRY(receive_all(c));
    c->in_row = false;
    struct exec_copy *copy = c->copy;
    c->copy = NULL;
    return exec_copy_end(copy, ret_rows);
}

/* ---- TO STDOUT ---------------------------------------------------------------------------- */

struct copy_out {
    struct output *o;
    struct pgwire_copy_options options;
    bool plain_numbers;              /* no digit, sign or dot needs an escape */
    const struct encoding *encoding; /* NULL: UTF-8 */
    struct buf field;
};

/* Others of the same category may be printed with names, commas and currency signs. */
static bool is_plain_number(const struct type *t)
{
    return t->oid == OID_INT4 || t->oid == OID_INT8 || t->oid == OID_INT2 || t->oid == OID_OID;
}

/* The binary format's head goes into the first message, beside a row or the end: some clients look
 * for it there. */
static void put_start(const struct copy_out *c, struct buf *b)
{
    if (c->o->rows == 0)
        pgwire_copy_put_start(b, &c->options);
}

static struct error *put_field(struct copy_out *c, int i, const struct value *v, struct buf *b)
{
    const struct type *t = c->o->e->column_types[i];
    int32_t typmod = c->o->e->columns[i].typmod;
    if (v->kind == VALUE_NULL) {
        pgwire_copy_put_field(b, &c->options, i, NULL, 0);
        return NULL;
    }
    if (c->plain_numbers && v->kind == VALUE_INT && is_plain_number(t)) {
        if (i)
            buf_append(b, &c->options.delimiter, 1);
        type_print(t, v, typmod, b);
        return NULL;
    }
    buf_clear(&c->field);
    if (c->options.format == PGWIRE_BINARY)
        type_send(t, v, typmod, &c->field);
    else
        type_print(t, v, typmod, &c->field);
    if (c->encoding && c->options.format == PGWIRE_BINARY)
        TRY(recode__field(c->encoding, t, 1, &c->field, 0));
    pgwire_copy_put_field(b, &c->options, i, c->field.data ? c->field.data : "", c->field.len);
    return NULL;
}

/* Text is recoded a row at a time. */
static struct error *put_fields(struct copy_out *c, const struct value *values, int n,
                                struct buf *b)
{
    size_t from = b->len;
    put_start(c, b);
    pgwire_copy_put_row(b, &c->options, n);
    for (int i = 0; i < n; i++)
        TRY(put_field(c, i, &values[i], b));
    pgwire_copy_put_row_end(b, &c->options);
    return c->options.format == PGWIRE_BINARY ? NULL : recode__tail(c->encoding, b, from);
}

static struct error *out_row(void *ctx, const struct value *values, int n)
{
    struct copy_out *c = ctx;
    struct buf *b = &c->o->s->out;
    size_t at = pgwire_begin(b, 'd');
    struct error *failed = put_fields(c, values, n, b);
    if (failed) {
        b->len = at - 1;
        return failed;
    }
    pgwire_end(b, at);
    c->o->rows++;
    if (b->len > FLUSH_BYTES && !io__flush(c->o->s))
        return error_new(E_CONNECTION, "connection to client lost");
    return NULL;
}

static bool out_reset(void *ctx)
{
    struct copy_out *c = ctx;
    return output__reset(c->o);
}

static struct error *begin_out(struct copy_out *c, const struct query *q, int n)
{
    struct buf *b = &c->o->s->out;
    pgwire_put_copy_answer(b, PGWIRE_COPY_OUT, c->options.format == PGWIRE_BINARY, n);
    _cleanup_(buf_done) struct buf head = {0};
    if (q->copy.options.header) {
        struct pgwire_copy_options plain = c->options; /* FORCE_QUOTE is about values */
        plain.force_quote = NULL;
        for (int i = 0; i < n; i++) {
            const char *name = c->o->e->columns[i].name;
            pgwire_copy_put_field(&head, &plain, i, name, strlen(name));
        }
        pgwire_copy_put_row_end(&head, &plain);
    }
    TRY(recode__tail(c->encoding, &head, 0));
    if (head.len)
        pgwire_put_copy_data(b, head.data, head.len);
    return NULL;
}

static struct error *copy_to(struct session *s, struct entry **e, struct copy_out *c)
{
    struct exec_sink sink = {.ctx = c, .row = out_row, .reset = out_reset};
    struct exec_result result = {0};
    bool own = encoding_of(s, (*e)->query) && statement__may_not_tell(s, *e);
    if (own)
        TRY(transaction__begin_implicit(s));
    size_t before = s->out.len;
    for (int tries = 0;; tries++) {
        if (tries || !entry__is_current(s, *e))
            TRY(statement__refresh(s, e, false));
        struct arena *a = &s->worker->arena;
        c->o->e = *e;
        c->options = options_of((*e)->query, (*e)->n_columns, a);
        c->plain_numbers =
            c->options.format == PGWIRE_TEXT && strchr("\t,;|", c->options.delimiter);
        s->out.len = before; /* nothing was sent when it has to be planned again */
        c->encoding = encoding_of(s, (*e)->query);
        TRY(begin_out(c, (*e)->query, (*e)->n_columns));
        output__begin(c->o);
        struct error *failed = exec_run(s->exec, (*e)->plan, NULL, &sink, &result);
        if (!error_is(failed, E_STALE_SCHEMA) || tries == MAX_REPLANS) {
            TRY(failed);
            break;
        }
        error_free(failed);
    }
    if (own)
        TRY(transaction__end_implicit(s));
    _cleanup_(buf_done) struct buf tail = {0};
    put_start(c, &tail);
    pgwire_copy_put_finish(&tail, &c->options);
    if (tail.len)
        pgwire_put_copy_data(&s->out, tail.data, tail.len);
    pgwire_put_plain(&s->out, PGWIRE_COPY_DONE);
    return NULL;
}

/* ---- both --------------------------------------------------------------------------------- */

struct error *copy__run(struct session *s, struct entry **e, struct output *o,
                        const char **ret_where)
{
    int64_t rows = 0;
    struct error *failed;
    if ((*e)->query->copy.from) {
        struct copy_in c = {.s = s};
        failed = copy_from(&c, e, &rows);
        bool theirs = error_is(failed, E_CONNECTION) || error_is(failed, E_SHUTDOWN);
        if (failed && c.reader && !theirs)
            *ret_where = where_of(&c);
        if (c.copy)
            exec_copy_abort(c.copy);
        pgwire_copy_free(c.reader);
        arena_done(&c.arena);
        arena_done(&c.rows);
        buf_done(&c.recoded);
        buf_done(&c.cut);
    } else {
        struct copy_out c = {.o = o};
        failed = sql_failure((*e)->query->copy.query); /* before anything is announced */
        failed = failed ? failed : copy_to(s, e, &c);
        rows = o->rows;
        buf_done(&c.field);
    }
    TRY(failed);
    output__tag(s, "COPY", rows);
    return NULL;
}
