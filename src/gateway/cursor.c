/*
 * Cursors: DECLARE, FETCH, MOVE, CLOSE, and Execute with a row limit.
 *
 * A cursor's query runs whole when it is declared; its rows wait in a spool (spool.c). So it is
 * insensitive to what happens later, as in PostgreSQL, and WITH HOLD costs nothing more. What fails
 * while it runs is reported where PostgreSQL would meet it: by the FETCH that gets there.
 *
 * A place is a row number: 0 is before the first row, rows + 1 after the last one. FETCH n ends on
 * the last row that it gave, or after the end when there were fewer.
 */
#include "gateway/gateway_int.h"

static struct error *no_cursor(const char *name)
{
    return error_new("34000", "cursor \"%s\" does not exist", name);
}

static struct error *forward_only(void)
{
    return error_hint(error_new("55000", "cursor can only scan forward"),
                      "Declare it with SCROLL option to enable backward scan.");
}

/* ---- running the query -------------------------------------------------------------------- */

/* Errors that some row of the query makes, which may never be fetched. */
static bool is_of_a_row(const struct error *e)
{
    return !strncmp(e->sqlstate, "22", 2) || !strncmp(e->sqlstate, "21", 2);
}

static struct error *collect(struct session *s, struct portal *p, struct entry **e,
                             const struct value *values)
{
    p->spool = spool__new();
    struct output o = {.s = s, .e = *e, .spool = p->spool};
    struct error *failed = statement__run_plan(s, e, values, &o);
    p->ran = true;
    if (!failed || !is_of_a_row(failed))
        return failed;
    p->spool->failed = failed;
    return NULL;
}

static struct error *declare(struct session *s, struct entry **e, const struct value *values)
{
    const struct query *q = (*e)->query;
    const char *name = q->cursor.name;
    struct portal *p;
    if (!*name)
        return error_new("34000", "invalid cursor name: must not be empty");
    if (!q->cursor.hold && transaction__outside(s))
        return error_new("25P01", "DECLARE CURSOR can only be used in transaction blocks");
    TRY(sql_failure(q->cursor.query)); /* others come with the row that has them */
    TRY(extended__new_portal(s, name, &p));
    p->cursor = true;
    p->hold = q->cursor.hold;
    p->forward = q->cursor.no_scroll || q->locks;
    p->binary = q->cursor.binary;
    p->active = true;
    struct error *failed = collect(s, p, e, values);
    p->active = false;
    if (failed)
        extended__close_portal(s, arena_strdup(&s->worker->arena, name));
    else
        p->entry = entry__ref(*e);
    return failed;
}

/* A portal that the protocol has bound and nobody has executed yet. */
static struct error *run_bound(struct session *s, struct portal *p)
{
    if (!p->entry || !p->entry->returns || !p->entry->plan || p->entry->query->writes)
        return error_hint(error_new(E_UNSUPPORTED, "this portal cannot be fetched from"),
                          "Execute it through the protocol.");
    p->forward = p->active = true;
    struct error *e = collect(s, p, &p->entry, p->values);
    p->active = false;
    return e;
}

/* ---- moving ------------------------------------------------------------------------------- */

/* One FETCH or MOVE on its way. */
struct move {
    struct spool *spool;
    bool forward_only;
    struct output *o; /* NULL: rows are only counted */
    struct value *values;
    int max, max_sent; /* of a row: there may be ctids behind what is sent */
    int64_t rows;      /* that came */
};

static int rows_of(const struct entry *e)
{
    return e->query->kind == QUERY_DECLARE ? e->query->cursor.n_rows_of : 0;
}

static void set_width(struct move *m, const struct entry *e)
{
    m->max_sent = MAX(e->n_columns, 1);
    m->max = m->max_sent + rows_of(e);
}

static struct error *step(struct move *m, bool back, bool emit, bool *ret_end)
{
    int n;
    if (back && m->forward_only)
        return forward_only();
    TRY(back ? spool__previous(m->spool, m->values, m->max, &n)
             : spool__next(m->spool, m->values, m->max, &n));
    *ret_end = n < 0;
    if (n < 0 || !emit)
        return NULL;
    m->rows++;
    return m->o ? output__row(m->o, m->values, MIN(n, m->max_sent)) : NULL;
}

static struct error *run_rows(struct move *m, bool back, int64_t count, bool emit)
{
    bool end = false;
    for (int64_t i = 0; i < count && !end; i++)
        TRY(step(m, back, emit, &end));
    return NULL;
}

/* The row on which we are, once more. */
static struct error *again(struct move *m)
{
    if (m->spool->at < 1 || m->spool->at > m->spool->rows)
        return NULL;
    TRY(run_rows(m, true, 1, false));
    return run_rows(m, false, 1, true);
}

/* Row number `to`: next to it first, then onto it. */
static struct error *absolute(struct move *m, int64_t to)
{
    int64_t rows = m->spool->rows;
    if (to < 0 && m->spool->failed)
        return error_copy(m->spool->failed);
    if (to < 0)
        to = to < -rows ? 0 : rows + 1 + to;
    to = MIN(to, rows + 1);
    int64_t at = m->spool->at;
    if (to <= at && m->forward_only)
        return to || at ? forward_only() : NULL;
    if (to <= at)
        TRY(run_rows(m, true, at - to + (to > 0), false));
    else
        TRY(run_rows(m, false, to - at - 1, false));
    return to ? run_rows(m, false, 1, true) : NULL;
}

static struct error *relative(struct move *m, int64_t by)
{
    if (by == 0)
        return again(m);
    bool back = by < 0;
    uint64_t n = back ? 0 - (uint64_t)by : (uint64_t)by;
    TRY(run_rows(m, back, (int64_t)MIN(n - 1, (uint64_t)INT64_MAX), false));
    return run_rows(m, back, 1, true);
}

static struct error *many(struct move *m, bool back, int64_t count)
{
    if (count == 0)
        return again(m);
    if (count < 0) {
        back = !back;
        count = count == INT64_MIN ? INT64_MAX : -count;
    }
    return run_rows(m, back, count, true);
}

static struct error *move(struct move *m, const struct query *q)
{
    int64_t count = q->fetch.count;
    switch (q->fetch.direction) {
    case FETCH_NEXT:
        return many(m, false, count);
    case FETCH_PRIOR:
        return many(m, true, count);
    case FETCH_AT:
        return absolute(m, count);
    case FETCH_FROM_HERE:
        return relative(m, count);
    }
    return NULL;
}

/* ---- FETCH, MOVE, CLOSE ------------------------------------------------------------------- */

const struct portal *cursor__fetched(struct session *s, const struct query *q)
{
    if (q->kind != QUERY_FETCH || q->fetch.move)
        return NULL;
    const struct portal *p = extended__find_portal(s, q->fetch.cursor);
    return p && p->entry ? p : NULL;
}

static void begin_rows(struct output *o, const struct portal *p)
{
    static const int16_t binary = 1;
    o->e = p->entry;
    if (p->binary) {
        o->n_formats = 1;
        o->formats = &binary;
    }
    output__begin(o);
    if (o->describe)
        output__describe(o, &o->s->out);
}

static struct error *fetch(struct session *s, const struct query *q, struct output *o)
{
    struct portal *p = extended__find_portal(s, q->fetch.cursor);
    if (!p || p->active)
        return no_cursor(q->fetch.cursor);
    if (p->failed)
        return error_new("55000", "portal \"%s\" cannot be run", q->fetch.cursor);
    if (!p->ran)
        TRY(run_bound(s, p));
    if (!p->spool)
        return error_hint(error_new(E_UNSUPPORTED, "this portal cannot be fetched from"),
                          "It was executed without a row limit: all its rows are sent.");
    struct move m = {.spool = p->spool, .forward_only = p->forward};
    set_width(&m, p->entry);
    m.values = ARENA_ARRAY(&s->worker->arena, struct value, m.max);
    if (!q->fetch.move) {
        m.o = o;
        if (!o->spool && o->n_formats > 1 && o->n_formats != p->entry->n_columns)
            return error_new(E_PROTOCOL,
                             "bind message has %d result formats but query has %d columns",
                             o->n_formats, p->entry->n_columns);
        begin_rows(o, p);
    }
    struct error *e = move(&m, q);
    p->failed = e != NULL;
    TRY(e);
    if (q->fetch.move || !o->spool)
        output__tag(s, q->tag, m.rows);
    return NULL;
}

static struct error *close_cursor(struct session *s, const char *name)
{
    if (!name) {
        extended__drop_portals(s);
        return NULL;
    }
    const struct portal *p = extended__find_portal(s, name);
    if (!*name || !p || p->active)
        return no_cursor(name);
    extended__close_portal(s, name);
    return NULL;
}

struct error *cursor__run(struct session *s, struct entry **e, const struct value *values,
                          struct output *o, const char **ret_tag)
{
    const struct query *q = (*e)->query;
    switch (q->kind) {
    case QUERY_DECLARE:
        return declare(s, e, values);
    case QUERY_FETCH:
        return fetch(s, q, o);
    default:
        *ret_tag = q->tag;
        return close_cursor(s, q->cursor.name);
    }
}

/* ---- WHERE CURRENT OF --------------------------------------------------------------------- */

static struct error *wrong_state(const char *name, const char *what)
{
    return error_new("24000", "cursor \"%s\" %s", name, what);
}

/* The place of the table's ctid among those of the cursor's rows. */
static struct error *row_place(const struct portal *p, const char *name, const struct table *t,
                               int *ret)
{
    const struct query *q = p->entry->query;
    int found = 0;
    for (int i = 0; i < rows_of(p->entry); i++) {
        if (q->cursor.rows_of[i]->id != t->id)
            continue;
        *ret = i;
        found++;
    }
    if (found == 1)
        return NULL;
    return error_new("24000",
                     found ? "cursor \"%s\" has multiple FOR UPDATE/SHARE references to table "
                             "\"%s\""
                     : q->locks
                         ? "cursor \"%s\" does not have a FOR UPDATE/SHARE reference to table "
                           "\"%s\""
                         : "cursor \"%s\" is not a simply updatable scan of table \"%s\"",
                     name, t->name);
}

struct error *cursor__current(struct session *s, const char *name, const struct table *t,
                              struct value *ret)
{
    struct portal *p = extended__find_portal(s, name);
    int at = 0, n;
    if (!p || p->active)
        return no_cursor(name);
    if (!p->entry || p->entry->query->kind != QUERY_DECLARE)
        return wrong_state(name, "is not a SELECT query");
    if (p->held)
        return wrong_state(name, "is held from a previous transaction");
    TRY(row_place(p, name, t, &at));
    if (!p->spool || p->spool->at < 1 || p->spool->at > p->spool->rows)
        return wrong_state(name, "is not positioned on a row");
    struct move m = {.spool = p->spool};
    set_width(&m, p->entry);
    m.values = ARENA_ARRAY(&s->worker->arena, struct value, m.max);
    TRY(spool__previous(m.spool, m.values, m.max, &n)); /* and onto it again */
    TRY(spool__next(m.spool, m.values, m.max, &n));
    *ret = n == m.max ? m.values[m.max_sent + at] : (struct value){.kind = VALUE_NULL};
    return NULL;
}

/* ---- Execute ------------------------------------------------------------------------------ */

struct error *cursor__send(struct session *s, struct portal *p, int64_t limit, int64_t *ret_sent)
{
    const struct entry *e = p->executed ? p->executed : p->entry;
    const struct portal *of = cursor__fetched(s, e->query);
    struct output o = {
        .s = s, .e = of ? of->entry : e, .n_formats = p->n_formats, .formats = p->formats};
    if (p->binary)
        begin_rows(&o, p);
    struct move m = {.spool = p->spool, .o = &o};
    set_width(&m, e);
    m.values = ARENA_ARRAY(&s->worker->arena, struct value, m.max);
    TRY(run_rows(&m, false, limit > 0 ? limit : INT64_MAX, true));
    *ret_sent = m.rows;
    return NULL;
}
