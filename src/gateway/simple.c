/*
 * The simple query protocol: one message, any number of statements, one ReadyForQuery.
 *
 * The short way: the text with its literals lifted out is looked up in the statement cache, and its
 * plan runs with the literals as parameters: one hash lookup, no parsing. What cannot be lifted,
 * but is a single statement (BEGIN, SHOW ..), is cached by its whole text. Everything else is
 * parsed, and each statement analysed when its turn comes, since it may hang on what the ones
 * before it did.
 */
#include "gateway/gateway_int.h"

/* ---- literals ----------------------------------------------------------------------------- */

/* Characters before a byte offset, for an error's position. */
static int position_of(const char *text, int offset)
{
    int n = 1;
    for (int i = 0; i < offset; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

static struct error *literal_value(const struct type *t, const struct lifted_literal *l,
                                   struct arena *a, struct value *ret)
{
    if (l->kind == LIFT_INT4 || l->kind == LIFT_INT8) {
        *ret = (struct value){.kind = VALUE_INT, .i = l->integer};
        return NULL;
    }
    size_t n;
    const char *text = lift_text(l, a, &n);
    return type_parse(t, text, n, -1, a, ret);
}

static struct error *literal_values(struct session *s, const struct lifted *l, const char *text,
                                    const struct entry *e, struct value *values)
{
    for (int i = 0; i < l->n; i++) {
        struct error *failed =
            literal_value(e->param_types[i], &l->literals[i], &s->worker->arena, &values[i]);
        if (failed)
            return failed->position ? failed
                                    : error_at(failed, position_of(text, l->literals[i].offset));
    }
    return NULL;
}

/* ---- one statement from the cache --------------------------------------------------------- */

static struct error *plan_lifted(struct session *s, const struct lifted *l, struct entry **ret)
{
    uint32_t types[LIFT_MAX_LITERALS];
    for (int i = 0; i < l->n; i++)
        types[i] = sql_lifted_type(l->literals[i].kind);
    struct sql_script script;
    TRY(sql_parse(l->text, &s->worker->arena, &script));
    struct error *e = script.n_stmts == 1
                          ? statement__plan(s, &script.stmts[0], types, l->n, PARAMS_LIFTED, ret)
                          : error_new(E_SYNTAX, "one statement is expected");
    sql_script_done(&script);
    if (!e)
        cache__add(s, l->key, l->key_len, *ret);
    return e;
}

/* With its literals in place such a call is made once, not for each of many rows. */
static bool computes_often(const struct entry *e)
{
    return e->query->calls && e->plan && e->plan->kind == PLAN_BATCH;
}

/* The plan of the lifted text. NULL: it cannot be had that way, and the original text says why. */
static struct entry *lifted_entry(struct session *s, const struct lifted *l)
{
    struct entry *e = cache__find(s, l->key, l->key_len);
    struct error *failed = e ? NULL : plan_lifted(s, l, &e);
    error_free(failed);
    if (failed || !(e->query->literals_matter || computes_often(e)))
        return failed ? NULL : e;
    entry__unref(e); /* it stays in the cache, to say so */
    return NULL;
}

/* *ret_done false: not the way for this text. */
static struct error *run_lifted(struct session *s, const char *text, size_t len, bool *ret_done,
                                const char **ret_where)
{
    struct lifted l;
    *ret_done = false;
    if (s->txn == 'E' || len > LIFT_MAX_TEXT || !sql_lift(text, len, &l))
        return NULL;
    struct entry *e = lifted_entry(s, &l);
    if (!e || e->n_params != l.n) {
        entry__unref(e);
        return NULL;
    }
    *ret_done = true;
    struct value values[LIFT_MAX_LITERALS];
    struct output o = {.s = s, .e = e, .describe = true};
    struct error *failed = literal_values(s, &l, text, e, values);
    if (!failed && e->query->calls && sql_calls_matter(e->query, values, &s->worker->arena)) {
        *ret_done = false;
        entry__unref(e);
        return NULL;
    }
    if (!failed)
        failed = statement__run(s, &e, values, &o, ret_where);
    entry__unref(e);
    return failed;
}

/* ---- a script ----------------------------------------------------------------------------- */

static struct error *run_one(struct session *s, const struct sql_stmt *stmt, bool several,
                             const char *whole, const char **ret_where)
{
    struct entry *e;
    struct error *failed = statement__plan(s, stmt, NULL, 0, PARAMS_NONE, &e);
    if (failed && s->txn == 'E') { /* in a failed transaction that is all there is to say */
        error_free(failed);
        return statement__allowed(s, NULL);
    }
    TRY(failed);
    size_t len = strlen(whole);
    if (!several && len <= CACHE_MAX_TEXT && e->query->kind != QUERY_PREPARE)
        cache__add(s, whole, len, e);
    if (several && (statement__transactional(e->query) || e->query->alone))
        failed = transaction__begin_implicit(s);
    struct output o = {.s = s, .e = e, .describe = true};
    if (!failed)
        failed = statement__run(s, &e, NULL, &o, ret_where);
    entry__unref(e);
    return failed;
}

static struct error *run_script(struct session *s, const char *text, const char **ret_where)
{
    struct sql_script script;
    TRY(sql_parse(text, &s->worker->arena, &script));
    if (script.n_stmts == 0)
        pgwire_put_plain(&s->out, PGWIRE_EMPTY_QUERY);
    struct error *e = NULL;
    for (int i = 0; i < script.n_stmts && !e && !s->broken; i++)
        e = run_one(s, &script.stmts[i], script.n_stmts > 1, text, ret_where);
    sql_script_done(&script);
    return e ? e : transaction__end_implicit(s);
}

static struct error *run_text(struct session *s, const char *text, const char **ret_where)
{
    size_t len = strlen(text);
    TRY(pgwire_check_utf8(text, len));
    bool done;
    TRY(run_lifted(s, text, len, &done, ret_where));
    if (done)
        return NULL;
    struct entry *e = len <= CACHE_MAX_TEXT ? cache__find(s, text, len) : NULL;
    if (e && e->n_params) { /* a lifted text: this one only looks like its key */
        entry__unref(e);
        e = NULL;
    }
    if (!e) { /* the input buffer is reused when a COPY reads on */
        s->sent = arena_strndup(&s->worker->arena, text, len);
        return run_script(s, s->sent, ret_where);
    }
    struct output o = {.s = s, .e = e, .describe = true};
    struct error *failed = statement__run(s, &e, NULL, &o, ret_where);
    entry__unref(e);
    return failed;
}

void simple__query(struct session *s, const char *text)
{
    const char *where = NULL;
    activity__query(s, text);
    extended__forget(s, "");
    struct error *e = transaction__end_implicit(s); /* of a pipeline without Sync */
    if (!e)
        e = run_text(s, text, &where);
    if (e)
        session__report(s, e, where);
    if (s->txn == 'I')
        extended__end_portals(s, true);
    session__ready(s);
}
