/*
 * The extended query protocol: Parse, Bind, Describe, Execute, Close, Flush, Sync.
 *
 *   Parse -> statement (an entry of the statement cache)   Bind -> portal (entry + parameter
 * values)   Execute -> rows
 *
 * After an error everything up to Sync is skipped. All that comes before one Sync is one
 * transaction: a write runs as a single-statement transaction only when Sync can be seen to follow
 * it directly, as it nearly always does.
 */
#include "gateway/gateway_int.h"

/* ---- statements --------------------------------------------------------------------------- */

struct statement *extended__find(struct session *s, const char *name)
{
    return *name ? map_get_str(&s->statements, name) : s->unnamed;
}

void extended__free_statement(struct statement *st)
{
    if (!st)
        return;
    entry__unref(st->entry);
    mem_free(st->text);
    mem_free(st);
}

void extended__forget(struct session *s, const char *name)
{
    if (*name) {
        extended__free_statement(map_remove_str(&s->statements, name));
        return;
    }
    extended__free_statement(s->unnamed);
    s->unnamed = NULL;
}

struct error *extended__add(struct session *s, const char *name, struct entry *e, const char *text)
{
    if (*name && map_get_str(&s->statements, name)) {
        entry__unref(e);
        return error_new("42P05", "prepared statement \"%s\" already exists", name);
    }
    if (!*name && s->unnamed) { /* the same struct, over and over */
        entry__unref(s->unnamed->entry);
        s->unnamed->entry = e;
        return NULL;
    }
    struct statement *st = NEW(struct statement);
    *st = (struct statement){
        .entry = e, .made = activity__moment(), .text = text ? mem_strdup(text) : NULL};
    if (*name)
        map_put_str(&s->statements, name, st);
    else
        s->unnamed = st;
    return NULL;
}

struct error *extended__no_statement(const char *name)
{
    struct error *e = error_new("26000", "prepared statement \"%s\" does not exist", name);
    e->routine = "FetchPreparedStatement"; /* JDBC's and postgres.js' cue to prepare it again */
    return e;
}

static struct error *need_statement(struct session *s, const char *name, struct statement **ret)
{
    *ret = extended__find(s, name);
    if (*ret)
        return NULL;
    if (!*name)
        return error_new("26000", "unnamed prepared statement does not exist");
    return extended__no_statement(name);
}

/* ---- portals ------------------------------------------------------------------------------ */

struct portal *extended__find_portal(struct session *s, const char *name)
{
    if (*name)
        return map_get_str(&s->portals, name);
    return s->has_unnamed_portal ? &s->unnamed_portal : NULL;
}

/* Keeps the arena's memory: the unnamed portal is made anew for each statement. */
static void clear_portal(struct portal *p)
{
    entry__unref(p->entry);
    entry__unref(p->executed);
    spool__free(p->spool);
    arena_reset(&p->arena);
    *p = (struct portal){.arena = p->arena};
}

static void free_portal(struct portal *p)
{
    if (!p)
        return;
    clear_portal(p);
    arena_done(&p->arena);
    mem_free(p);
}

void extended__close_portal(struct session *s, const char *name)
{
    if (*name) {
        free_portal(map_remove_str(&s->portals, name));
        return;
    }
    if (s->has_unnamed_portal)
        clear_portal(&s->unnamed_portal);
    s->has_unnamed_portal = false;
}

struct error *extended__new_portal(struct session *s, const char *name, struct portal **ret)
{
    if (!*name) {
        extended__close_portal(s, "");
        s->has_unnamed_portal = true;
        s->unnamed_portal.made = activity__now(s);
        *ret = &s->unnamed_portal;
        return NULL;
    }
    if (map_get_str(&s->portals, name))
        return error_new("42P03", "cursor \"%s\" already exists", name);
    *ret = NEW(struct portal);
    (*ret)->depth = exec_savepoints(s->exec);
    (*ret)->made = activity__now(s);
    map_put_str(&s->portals, name, *ret);
    return NULL;
}

/* Frees the named portals that `goes` says. */
static void sweep(struct session *s, bool (*goes)(struct portal *p, int arg), int arg)
{
    struct map kept = {0};
    const char *name;
    size_t len;
    void *v;
    for (size_t i = 0; map_next_key(&s->portals, &i, &name, &len, &v);) {
        struct portal *p = v;
        if (p->active || !goes(p, arg))
            map_put(&kept, name, len, p);
        else
            free_portal(p);
    }
    map_done(&s->portals);
    s->portals = kept;
}

static bool ends_with_transaction(struct portal *p, int committed)
{
    if (committed && p->hold)
        p->held = true;
    return !p->held;
}

void extended__end_portals(struct session *s, bool committed)
{
    if (s->has_unnamed_portal && !s->unnamed_portal.active)
        extended__close_portal(s, "");
    if (s->portals.len)
        sweep(s, ends_with_transaction, committed);
}

static bool is_deeper(struct portal *p, int depth)
{
    return !p->held && p->depth > depth;
}

void extended__end_depth(struct session *s, int depth, bool undone)
{
    void *p;
    if (undone && s->portals.len)
        sweep(s, is_deeper, depth);
    for (size_t i = 0; map_next(&s->portals, &i, &p);)
        ((struct portal *)p)->depth = MIN(((struct portal *)p)->depth, depth);
}

static bool always(struct portal *p, int arg)
{
    (void)p;
    (void)arg;
    return true;
}

void extended__drop_portals(struct session *s)
{
    if (s->has_unnamed_portal && !s->unnamed_portal.active)
        extended__close_portal(s, "");
    sweep(s, always, 0);
}

void extended__drop_statements(struct session *s)
{
    void *st;
    for (size_t i = 0; map_next(&s->statements, &i, &st);)
        extended__free_statement(st);
    map_done(&s->statements);
    extended__forget(s, "");
}

/* ---- Parse -------------------------------------------------------------------------------- */

static struct error *plan_text(struct session *s, const struct pgwire_parse *m, struct entry **ret)
{
    struct sql_script script;
    *ret = NULL;
    TRY(sql_parse(m->query, &s->worker->arena, &script));
    struct error *e = NULL;
    if (script.n_stmts > 1)
        e = error_new(E_SYNTAX, "cannot insert multiple commands into a prepared statement");
    else if (script.n_stmts == 1)
        e = statement__plan(s, &script.stmts[0], m->types, m->n_types, PARAMS_CLIENT, ret);
    if (e && !error_is(e, E_SYNTAX) && script.n_stmts == 1 && sql_is_utility(&script.stmts[0])) {
        error_free(e);
        e = NULL;
        *ret = statement__defer(&script.stmts[0]);
    }
    sql_script_done(&script);
    return e;
}

static struct error *parse_message(struct session *s, const struct pgwire_frame *f)
{
    struct arena *a = &s->worker->arena;
    struct pgwire_parse m;
    TRY(pgwire_decode_parse(f, a, &m));
    size_t len = strlen(m.query), types_len = (size_t)m.n_types * 4;
    TRY(pgwire_check_utf8(m.query, len));
    if (!*m.statement)
        extended__forget(s, "");
    /* a 1, how many types, the types, the text: no text of a simple query looks like that */
    size_t key_len = 2 + types_len + len;
    char *key = NULL;
    struct entry *e = NULL;
    if (len <= CACHE_MAX_TEXT && m.n_types < 128) {
        key = arena_alloc(a, key_len);
        key[0] = 1;
        key[1] = (char)m.n_types;
        memcpy(key + 2, m.types, types_len);
        memcpy(key + 2 + types_len, m.query, len);
        e = cache__find(s, key, key_len);
    }
    if (e) {
        activity__entry(s, e);
    } else {
        activity__query(s, m.query);
        struct error *failed = plan_text(s, &m, &e);
        if (failed && s->txn == 'E') {
            error_free(failed);
            return statement__allowed(s, NULL);
        }
        TRY(failed);
        if (key && e && !e->deferred)
            cache__add(s, key, key_len, e);
    }
    struct error *refused = e ? statement__allowed(s, e->query) : NULL;
    if (refused) {
        entry__unref(e);
        return refused;
    }
    TRY(extended__add(s, m.statement, e, NULL));
    pgwire_put_plain(&s->out, PGWIRE_PARSE_COMPLETE);
    return NULL;
}

/* ---- Bind --------------------------------------------------------------------------------- */

static struct error *check_counts(struct session *s, const struct pgwire_bind *m,
                                  const struct entry *e)
{
    const struct entry *rows = e ? prepare__executed(s, e) : NULL;
    int n_params = e ? e->n_params : 0, n_columns = rows && rows->returns ? rows->n_columns : 0;
    const struct portal *fetched = rows ? cursor__fetched(s, rows->query) : NULL;
    if (fetched)
        n_columns = fetched->entry->n_columns;
    if (m->n_params != n_params)
        return error_new(E_PROTOCOL,
                         "bind message supplies %d parameters, but prepared statement \"%s\" "
                         "requires %d",
                         m->n_params, m->statement, n_params);
    if (m->n_results > 1 && m->n_results != n_columns)
        return error_new(E_PROTOCOL, "bind message has %d result formats but query has %d columns",
                         m->n_results, n_columns);
    return NULL;
}

/* The message is in the input buffer, and its arrays in the worker's arena, which are reused. */
static void keep(struct pgwire_bind *m, const struct pgwire_frame *f, struct arena *a)
{
    const char *own = memcpy(arena_alloc(a, f->len), f->body, f->len);
    for (int i = 0; i < m->n_params; i++)
        if (m->params[i].data)
            m->params[i].data = own + (m->params[i].data - f->body);
    int16_t *results = ARENA_ARRAY(a, int16_t, m->n_results);
    m->results = memcpy(results, m->results, sizeof(*results) * (size_t)m->n_results);
}

static struct error *read_values(const struct session *s, struct portal *p,
                                 const struct pgwire_bind *m)
{
    p->values = ARENA_ARRAY(&p->arena, struct value, m->n_params);
    for (int i = 0; i < m->n_params; i++) {
        const struct type *t = p->entry->param_types[i];
        int16_t format = m->params[i].format;
        const char *data = m->params[i].data;
        size_t len = m->params[i].len;
        if (s->encoding)
            TRY(recode__value(s->encoding, t, format, &p->arena, &data, &len));
        TRY(value__read(t, format, data, len, -1, &p->arena, &p->values[i]));
    }
    return NULL;
}

static struct error *bind_message(struct session *s, const struct pgwire_frame *f)
{
    struct pgwire_bind m;
    struct portal *p = NULL;
    struct statement *st;
    TRY(pgwire_decode_bind(f, &s->worker->arena, &m));
    TRY(need_statement(s, m.statement, &st));
    if (st->entry) {
        TRY(statement__allowed(s, st->entry->query));
        if (!entry__is_current(s, st->entry))
            TRY(statement__refresh(s, &st->entry, st->entry->returns));
    }
    TRY(check_counts(s, &m, st->entry));
    TRY(extended__new_portal(s, m.portal, &p));
    struct error *e = NULL;
    if (st->entry) {
        keep(&m, f, &p->arena);
        p->entry = entry__ref(st->entry);
        p->n_formats = m.n_results;
        p->formats = m.results;
        e = read_values(s, p, &m);
    }
    if (e) {
        extended__close_portal(s, m.portal);
        return e;
    }
    pgwire_put_plain(&s->out, PGWIRE_BIND_COMPLETE);
    return NULL;
}

/* ---- Describe, Close ---------------------------------------------------------------------- */

/* The rows of a cursor. */
static void describe_rows(struct session *s, const struct portal *p, int n_formats,
                          const int16_t *formats)
{
    static const int16_t binary = 1;
    struct output o = {.s = s, .e = p->entry, .n_formats = n_formats, .formats = formats};
    if (p->binary) {
        o.n_formats = 1;
        o.formats = &binary;
    }
    output__describe(&o, &s->out);
}

static void describe(struct session *s, const struct entry *e, int n_formats,
                     const int16_t *formats)
{
    e = e ? prepare__executed(s, e) : NULL;
    const struct portal *fetched = e ? cursor__fetched(s, e->query) : NULL;
    if (fetched) {
        describe_rows(s, fetched, n_formats, formats);
        return;
    }
    if (!e || !e->returns) {
        pgwire_put_plain(&s->out, PGWIRE_NO_DATA);
        return;
    }
    struct output o = {.s = s, .e = e, .n_formats = n_formats, .formats = formats};
    output__describe(&o, &s->out);
}

static struct error *describe_statement(struct session *s, const char *name)
{
    struct statement *st;
    TRY(need_statement(s, name, &st));
    struct entry *e = st->entry;
    if (e && (e->returns || e->n_params) && !entry__is_current(s, e)) {
        TRY(statement__refresh(s, &st->entry, e->returns));
        e = st->entry;
    }
    pgwire_put_param_types(&s->out, e ? e->param_oids : NULL, e ? e->n_params : 0);
    describe(s, e, 0, NULL);
    return NULL;
}

static struct error *need_portal(struct session *s, const char *name, struct portal **ret)
{
    *ret = extended__find_portal(s, name);
    return *ret ? NULL : error_new("34000", "portal \"%s\" does not exist", name);
}

static struct error *describe_message(struct session *s, const struct pgwire_frame *f)
{
    struct pgwire_target m;
    TRY(pgwire_decode_target(f, &m));
    if (m.kind == 'S')
        return describe_statement(s, m.name);
    struct portal *p = NULL;
    TRY(need_portal(s, m.name, &p));
    if (p->cursor)
        describe_rows(s, p, p->n_formats, p->formats);
    else
        describe(s, p->entry, p->n_formats, p->formats);
    return NULL;
}

static struct error *close_message(struct session *s, const struct pgwire_frame *f)
{
    struct pgwire_target m;
    TRY(pgwire_decode_target(f, &m));
    if (m.kind == 'S')
        extended__forget(s, m.name);
    else
        extended__close_portal(s, m.name);
    pgwire_put_plain(&s->out, PGWIRE_CLOSE_COMPLETE);
    return NULL;
}

/* ---- Execute ------------------------------------------------------------------------------ */

bool extended__sync_follows(struct session *s)
{
    size_t offset = 0;
    struct pgwire_frame f;
    while (io__peek(s, &offset, &f))
        if (f.type != 'C' && f.type != 'H')
            return f.type == 'S';
    return false;
}

/* A portal that ran before: more of its rows, or nothing more. */
static struct error *go_on(struct session *s, const char *name, struct portal *p, int64_t limit)
{
    const struct entry *e = p->executed ? p->executed : p->entry;
    const struct query *q = e->query;
    int64_t sent = 0;
    if (!e->returns && !p->cursor && q->kind != QUERY_FETCH)
        return error_new("55000", "portal \"%s\" cannot be run", name);
    if (p->spool)
        TRY(cursor__send(s, p, limit, &sent));
    if (limit > 0 && sent == limit)
        pgwire_put_plain(&s->out, PGWIRE_PORTAL_SUSPENDED);
    else if (p->cursor)
        output__tag(s, "SELECT", sent);
    else if (q->counts_rows)
        output__tag(s, q->tag, sent);
    else
        pgwire_put_complete(&s->out, q->tag);
    return NULL;
}

static struct error *run_portal(struct session *s, const char *name, struct portal *p,
                                int64_t limit, const char **ret_where)
{
    struct output o = {.s = s, .e = p->entry, .n_formats = p->n_formats, .formats = p->formats};
    const struct entry *of = prepare__executed(s, p->entry);
    bool rows = of->returns || cursor__fetched(s, of->query);
    if (limit > 0 && rows)
        o.spool = p->spool = spool__new();
    activity__entry(s, p->entry);
    p->ran = p->active = true;
    struct error *e = statement__run(s, &p->entry, p->values, &o, ret_where);
    p->active = false;
    p->executed = o.executed;
    if (!e && o.spool)
        e = go_on(s, name, p, limit);
    return e;
}

static struct error *execute_message(struct session *s, const struct pgwire_frame *f,
                                     const char **ret_where)
{
    struct pgwire_execute m;
    struct portal *p = NULL;
    TRY(pgwire_decode_execute(f, &m));
    TRY(need_portal(s, m.portal, &p));
    if (!p->entry) {
        pgwire_put_plain(&s->out, PGWIRE_EMPTY_QUERY);
        return NULL;
    }
    if (p->ran) {
        TRY(statement__allowed(s, p->entry->query));
        return go_on(s, m.portal, p, m.max_rows);
    }
    if (p->entry->query->writes && statement__transactional(p->entry->query) && s->txn == 'I' &&
        !s->implicit && !extended__sync_follows(s))
        TRY(transaction__begin_implicit(s));
    return run_portal(s, m.portal, p, m.max_rows, ret_where);
}

/* ---- all of them -------------------------------------------------------------------------- */

void extended__sync(struct session *s)
{
    s->skip_to_sync = false;
    struct error *e = transaction__end_implicit(s);
    if (e)
        session__report(s, e, NULL);
    if (s->txn == 'I')
        extended__end_portals(s, true);
    session__ready(s);
}

void extended__message(struct session *s, const struct pgwire_frame *f)
{
    const char *where = NULL;
    struct error *e = NULL;
    if (f->type == 'S') {
        extended__sync(s);
        return;
    }
    if (f->type == 'H') {
        s->flush = true;
        return;
    }
    if (s->skip_to_sync)
        return;
    switch (f->type) {
    case 'P':
        e = parse_message(s, f);
        break;
    case 'B':
        e = bind_message(s, f);
        break;
    case 'D':
        e = describe_message(s, f);
        break;
    case 'E':
        e = execute_message(s, f, &where);
        break;
    case 'C':
        e = close_message(s, f);
        break;
    }
    if (e) {
        session__report(s, e, where);
        s->skip_to_sync = true;
        if (!s->internal)
            io__flush(s); /* what is skipped may be long: who sends it can stop */
    }
}
