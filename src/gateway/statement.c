/*
 * One statement: analysed, planned, run.
 *
 * What touches data goes to exec/. What is about the session (SET, BEGIN, COPY's protocol, PREPARE)
 * is done here and in the files named after it. A statement that was planned on an older schema is
 * planned again, which the client sees only when the columns that it was told about have changed.
 */
#include "gateway/gateway_int.h"

enum { MAX_REPLANS = 5, HOLD_AFTER = 2, REFRESH_MS = 3000 };

/* ---- planning ----------------------------------------------------------------------------- */

/* Could a fresher catalog make this error go away? */
static bool may_be_stale(const struct error *e)
{
    static const char *const states[] = {
        E_UNDEFINED_TABLE, E_UNDEFINED_COLUMN, E_UNDEFINED_OBJECT, E_DUPLICATE_TABLE, "3F000",
        "42P10",           E_DUPLICATE_COLUMN};
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (error_is(e, states[i]))
            return true;
    return false;
}

/* Waits for what the store has now. False: nothing new came. */
static bool fresher(struct session *s, const struct catalog_view *view)
{
    struct error *e = catalog_refresh(s->gateway->o.catalog, REFRESH_MS);
    bool failed = e != NULL;
    error_free(e);
    return !failed && !exec_schema_is_current(s->exec, view);
}

static struct error *analyse(struct session *s, const struct sql_stmt *stmt, const uint32_t *types,
                             int n_types, enum params params, struct arena *arena,
                             const struct catalog_view **ret_view, struct query **ret)
{
    struct sql_context ctx = {.names = settings__names(s),
                              .user = s->user,
                              .param_types = types,
                              .n_params = n_types,
                              .no_params = params == PARAMS_NONE,
                              .lifted = params == PARAMS_LIFTED,
                              .refreshes = s->refreshes};
    ctx.extra = exec_system_tables(&ctx.n_extra);
    for (bool again = true;; again = false) {
        TRY(catalog_view_database(exec_catalog(s->exec), s->database, &ctx.view));
        sql_names_view(ctx.names, &ctx.view);
        struct error *e = sql_analyse(stmt, &ctx, arena, ret);
        if (!e) {
            *ret_view = ctx.view;
            return NULL;
        }
        arena_done(arena);
        again = again && may_be_stale(e) && fresher(s, ctx.view);
        catalog_unref(ctx.view);
        if (!again)
            return e;
        error_free(e);
    }
}

/* What of it exec/ plans; NULL: nothing. */
static const struct query *planned_part(const struct query *q)
{
    switch (q->kind) {
    case QUERY_SELECT:
    case QUERY_INSERT:
    case QUERY_UPDATE:
    case QUERY_DELETE:
    case QUERY_MERGE:
    case QUERY_TRUNCATE:
    case QUERY_EXPLAIN:
        return q;
    case QUERY_CREATE_TABLE:
        return q->create_table.exists ? NULL : q;
    case QUERY_CREATE_INDEX:
        return q->create_index.exists ? NULL : q;
    case QUERY_COMMENT:
    case QUERY_ALTER_TABLE:
        return q->alter_table.table ? q : NULL;
    case QUERY_REFRESH:
        return q->alter_table.next ? q : NULL;
    case QUERY_CREATE_SEQUENCE:
        return q->sequence.exists ? NULL : q;
    case QUERY_ALTER_SEQUENCE:
        return q->sequence.old ? q : NULL;
    case QUERY_DROP_TABLE:
    case QUERY_DROP_INDEX:
    case QUERY_DROP_SEQUENCE:
        return q->drop.n ? q : NULL;
    case QUERY_OBJECTS:
        return q->objects.n || q->objects.n_drop || q->objects.n_sequences ? q : NULL;
    case QUERY_COPY:
        return q->copy.from ? q->copy.insert : q->copy.query;
    case QUERY_DECLARE:
        return q->cursor.query;
    default:
        return NULL;
    }
}

static const struct type *type_or_text(uint32_t oid)
{
    const struct type *t = type_by_oid(oid);
    return t ? t : type_by_oid(OID_TEXT);
}

/* What the gateway asks an entry for at each run. */
static void fill(struct entry *e, const struct query *q)
{
    e->query = q;
    bool own = !e->plan || q->kind == QUERY_COPY;
    const struct query *inner = own ? q : e->plan->query;
    e->returns = own || q->kind == QUERY_DECLARE ? q->returns : e->plan->returns;
    e->n_columns = e->plan ? e->plan->n_columns : q->n_columns;
    e->n_columns -= q->kind == QUERY_DECLARE ? q->cursor.n_rows_of : 0;
    e->columns = e->plan ? e->plan->columns : q->columns;
    e->column_types = mem_zalloc(sizeof(*e->column_types) * (size_t)e->n_columns);
    for (int i = 0; i < e->n_columns; i++)
        e->column_types[i] = type_or_text(e->columns[i].type);
    output__prepare(e);
    e->n_params = inner->n_params - (inner->current_of != NULL);
    e->param_types = mem_zalloc(sizeof(*e->param_types) * (size_t)e->n_params);
    e->param_oids = mem_zalloc(sizeof(*e->param_oids) * (size_t)e->n_params);
    for (int i = 0; i < e->n_params; i++) {
        e->param_types[i] = type_or_text(inner->params[i]);
        e->param_oids[i] =
            inner->param_domains[i] ? inner->param_domains[i] : e->param_types[i]->oid;
    }
}

struct error *statement__plan(struct session *s, const struct sql_stmt *stmt, const uint32_t *types,
                              int n_types, enum params params, struct entry **ret)
{
    struct arena arena = {0};
    const struct catalog_view *view;
    struct query *q;
    TRY(analyse(s, stmt, types, n_types, params, &arena, &view, &q));
    struct entry *e = NEW(struct entry);
    e->refs = 1;
    e->text = mem_strndup(stmt->script->text + stmt->offset, stmt->len);
    const struct query *part = planned_part(q);
    struct error *failed = NULL;
    if (part) {
        const char *text = q->kind == QUERY_COPY && !q->copy.from ? q->copy.query_text
                           : q->kind == QUERY_DECLARE             ? q->cursor.text
                                                                  : e->text;
        failed = exec_prepare(s->gateway->o.exec, part, text, strlen(text), view, &arena, &e->plan);
    } else {
        e->arena = arena;
        e->view = view;
    }
    if (failed) {
        entry__unref(e);
        return failed;
    }
    fill(e, q);
    *ret = e;
    return NULL;
}

struct entry *statement__defer(const struct sql_stmt *stmt)
{
    static const struct query nothing = {.kind = QUERY_MAINTENANCE, .tag = ""};
    struct entry *e = NEW(struct entry);
    e->refs = 1;
    e->text = mem_strndup(stmt->script->text + stmt->offset, stmt->len);
    e->query = &nothing;
    e->deferred = true;
    return e;
}

static bool same_result(const struct entry *a, const struct entry *b)
{
    if (a->returns != b->returns || a->n_columns != b->n_columns || a->n_params != b->n_params)
        return false;
    for (int i = 0; i < a->n_columns; i++)
        if (a->columns[i].type != b->columns[i].type ||
            a->columns[i].typmod != b->columns[i].typmod)
            return false;
    return true;
}

struct error *statement__refresh(struct session *s, struct entry **e, bool same_columns)
{
    struct entry *old = *e, *fresh = NULL;
    struct arena arena = {0};
    struct sql_script script;
    struct error *failed = sql_parse(old->text, &arena, &script);
    if (!failed) {
        failed = statement__plan(s, &script.stmts[0], old->param_oids, old->n_params, PARAMS_CLIENT,
                                 &fresh);
        sql_script_done(&script);
    }
    arena_done(&arena);
    if (!failed && same_columns && !same_result(old, fresh)) {
        entry__unref(fresh);
        failed = error_hint(error_new(E_UNSUPPORTED, "cached plan must not change result type"),
                            "The table was changed: prepare the statement again.");
        failed->routine = "RevalidateCachedQuery"; /* JDBC's and Rails' cue to do so */
    }
    TRY(failed);
    if (old->key && !exec_has_draft(s->exec) &&
        strcmp(old->key, s->names) == 0) /* its first part */
        cache__put(s->gateway, old->key, old->key_len, fresh);
    entry__unref(old);
    *e = fresh;
    return NULL;
}

struct error *value__read(const struct type *t, int16_t format, const char *p, size_t n,
                          int32_t typmod, struct arena *a, struct value *ret)
{
    if (!p) {
        *ret = (struct value){.kind = VALUE_NULL};
        return NULL;
    }
    if (format == 0 || t->storage == VALUE_TEXT)
        TRY(format == 0 || t->category == 'S' ? pgwire_check_utf8(p, n) : NULL);
    if (format == 0)
        return type_parse(t, p, n, typmod, a, ret);
    if (!t->recv)
        return error_new(E_UNSUPPORTED, "no binary input function available for type %s",
                         t->sql_name);
    return type_recv(t, p, n, typmod, a, ret);
}

/* ---- running ------------------------------------------------------------------------------ */

static bool is_lock(const struct query *q)
{
    return q->kind == QUERY_MAINTENANCE && !strcmp(q->tag, "LOCK TABLE");
}

/* A lock would be gone with the statement. */
static struct error *check_lock(const struct session *s, const struct query *q)
{
    bool outside = transaction__outside(s);
    return outside && is_lock(q)
               ? error_new("25P01", "LOCK TABLE can only be used in transaction blocks")
               : NULL;
}

static bool is_schema_change(const struct query *q)
{
    return q->kind >= QUERY_CREATE_TABLE && q->kind <= QUERY_OBJECTS;
}

bool statement__transactional(const struct query *q)
{
    return is_schema_change(q) || q->kind == QUERY_SELECT || q->kind == QUERY_INSERT ||
           q->kind == QUERY_UPDATE || q->kind == QUERY_DELETE || q->kind == QUERY_MERGE ||
           q->kind == QUERY_TRUNCATE || q->kind == QUERY_COPY || q->kind == QUERY_DECLARE ||
           q->kind == QUERY_SET || q->kind == QUERY_RESET || q->kind == QUERY_LISTEN ||
           q->kind == QUERY_UNLISTEN || q->kind == QUERY_NOTIFY || q->kind == QUERY_EXECUTE ||
           q->kind == QUERY_EXPLAIN || is_lock(q);
}

struct error *statement__allowed(struct session *s, const struct query *q)
{
    if (s->txn != 'E')
        return NULL;
    if (q && q->kind == QUERY_TRANSACTION &&
        (q->transaction.kind == TRANSACTION_COMMIT || q->transaction.kind == TRANSACTION_ROLLBACK ||
         q->transaction.kind == TRANSACTION_ROLLBACK_TO))
        return NULL;
    return error_new(E_TXN_FAILED, "current transaction is aborted, commands ignored until end of "
                                   "transaction block");
}

/* Until such a statement, the transaction's modes can be changed. */
static bool reads_something(const struct query *q)
{
    switch (q->kind) {
    case QUERY_TRANSACTION:
    case QUERY_SET:
    case QUERY_RESET:
    case QUERY_SHOW:
    case QUERY_SET_CONSTRAINTS:
    case QUERY_MAINTENANCE:
    case QUERY_LISTEN:
    case QUERY_UNLISTEN:
    case QUERY_NOTIFY:
        return false;
    default:
        return true;
    }
}

static struct error *check_read_only(struct session *s, const struct entry *e)
{
    bool writes = e->query->writes || is_schema_change(e->query) ||
                  e->query->kind == QUERY_TRUNCATE ||
                  (e->query->kind == QUERY_COPY && e->query->copy.from) ||
                  (e->plan && !e->plan->explain && e->plan->writes);
    bool alone = transaction__outside(s);
    bool read_only = alone ? s->settings.read_only : s->read_only;
    if (alone)
        exec_isolate(s->exec, ISOLATION_DEFAULT, read_only);
    if (read_only && e->query->locks)
        return error_new("25006", "cannot execute SELECT FOR UPDATE in a read-only transaction");
    bool temporary = e->plan && e->plan->region == CATALOG_TEMP_REGION;
    if (!read_only || !writes || temporary)
        return NULL;
    char verb[32] = {0};
    memcpy(verb, e->query->tag, MIN(strlen(e->query->tag), sizeof(verb) - 1));
    if (!strcmp(verb, "INSERT 0"))
        verb[6] = 0;
    if (!strcmp(verb, "COPY"))
        strcat(verb, " FROM");
    return error_new("25006", "cannot execute %s in a read-only transaction", verb);
}

static void schema_notices(struct session *s, const struct query *q)
{
    if (q->kind == QUERY_CREATE_TABLE && q->create_table.exists)
        session__notice(s, NOTICE_NOTICE, E_DUPLICATE_TABLE,
                        "relation \"%s\" already exists, skipping", q->create_table.table->name);
    if (q->kind == QUERY_CREATE_INDEX && q->create_index.exists)
        session__notice(s, NOTICE_NOTICE, E_DUPLICATE_TABLE,
                        "relation \"%s\" already exists, skipping", q->create_index.index->name);
    for (int i = 0; i < q->n_notices; i++)
        session__notice_text(s, q->notices[i].warning ? NOTICE_WARNING : NOTICE_NOTICE,
                             q->notices[i].sqlstate, q->notices[i].message, q->notices[i].detail);
}

/* A client that has just gone is counted for a moment: who waits 5 s, as PostgreSQL, has not. */
static struct error *sessions_in(struct session *s, const struct query *q, const char *database,
                                 int *ret)
{
    enum { TRIES = 100, PAUSE_MS = 50 };
    int there;
    for (int i = 0;; i++) {
        TRY(exec_sessions_elsewhere(s->gateway->o.exec, database, q->objects.force, &there));
        *ret = session__in_database(s, database, q->objects.force) + there;
        if (!*ret || q->objects.force || i == TRIES || atomic_load(&s->terminate))
            return NULL;
        sleep_ms(PAUSE_MS);
    }
}

/* A database that is dropped or renamed has to be without sessions. */
static struct error *check_databases(struct session *s, const struct query *q)
{
    for (int i = 0; i < q->objects.n; i++) {
        const struct object *o = q->objects.changes[i].old;
        const struct object *next = q->objects.changes[i].next;
        if (!o || o->kind != OBJ_DATABASE || (next && strcmp(next->name, o->name) == 0))
            continue;
        int n;
        TRY(sessions_in(s, q, o->name, &n));
        if (n == 0 || q->objects.force)
            continue;
        struct error *e =
            error_new("55006", "database \"%s\" is being accessed by other users", o->name);
        return error_detail(e, "There %s %d other session%s using the database.",
                            n == 1 ? "is" : "are", n, n == 1 ? "" : "s");
    }
    return NULL;
}

static struct error *before_schema_change(struct session *s, const struct query *q)
{
    if (q->kind == QUERY_OBJECTS)
        TRY(check_databases(s, q));
    schema_notices(s, q);
    implicit__tell(s, q);
    return NULL;
}

/* A prepared statement follows the search_path. */
static bool same_names(struct session *s, const struct entry *e)
{
    const char *names = e->plan->query->names;
    return !names || strcmp(names, settings__names(s)) == 0;
}

/* pg_notify() is about the session, of which a statement that runs at a region knows nothing. */
static struct error *run_notifying(struct session *s, struct plan *plan, const struct value *values,
                                   const struct exec_sink *sink, struct exec_result *ret)
{
    const struct types_notifier notifier = {.ctx = s, .notify = notify__call};
    bool constant = plan->kind == PLAN_CONSTANT;
    if (constant)
        types_set_notifier(&notifier);
    struct error *e = exec_run(s->exec, plan, values, sink, ret);
    if (constant)
        types_set_notifier(NULL);
    if (s->notify && transaction__outside(s))
        notify__transaction_end(s, e == NULL);
    return e;
}

/* Told to the client already, or promised by PREPARE */
static bool columns_are_known(const struct output *o)
{
    return !o->describe || o->prepared;
}

struct attempt {
    struct entry **e;
    const struct value *values;
    struct output *o;
    const struct exec_sink *sink;
    struct exec_result result;
};

static struct error *replan(struct session *s, struct attempt *t)
{
    return statement__refresh(s, t->e, columns_are_known(t->o) && (*t->e)->returns);
}

static struct error *run_once(struct session *s, struct attempt *t)
{
    t->o->e = *t->e;
    output__begin(t->o);
    return run_notifying(s, (*t->e)->plan, t->values, t->sink, &t->result);
}

/* Other sessions may change the schema each time that a long statement is planned. What the last
 * plan read or wrote is held now, before it is planned once more. A transaction that does not
 * write goes on trying: it would hold the region until its end. */
static bool may_hold(struct session *s, const struct plan *p)
{
    return p->region && p->region != CATALOG_TEMP_REGION && !p->explain &&
           (p->writes || !exec_in_transaction(s->exec));
}

static struct error *replan_and_run(struct session *s, struct attempt *t)
{
    TRY(replan(s, t));
    return run_once(s, t);
}

/* A change that the catalog has already, and waits for the region, may still get between. */
static struct error *run_holding(struct session *s, struct attempt *t)
{
    bool own = !exec_in_transaction(s->exec);
    if (own)
        TRY(exec_begin(s->exec));
    struct error *e = exec_hold_for(s->exec, (*t->e)->plan);
    if (!e)
        e = replan_and_run(s, t);
    for (int i = 1; error_is(e, E_STALE_SCHEMA) && i < MAX_REPLANS; i++) {
        error_free(e);
        e = replan_and_run(s, t);
    }
    if (own && e)
        exec_rollback(s->exec);
    return own && !e ? exec_commit(s->exec) : e;
}

/* WHERE CURRENT OF: one more parameter. */
static struct error *add_current(struct session *s, const struct query *q,
                                 const struct value **values)
{
    int n = q->n_params - 1;
    struct value *more = ARENA_ARRAY(&s->worker->arena, struct value, q->n_params);
    if (n)
        memcpy(more, *values, sizeof(*more) * (size_t)n);
    *values = more;
    return cursor__current(s, q->current_of, q->write->target->table, &more[n]);
}

/* All but CommandComplete. */
static struct error *run_tries(struct session *s, struct entry **e, const struct value *values,
                               struct output *o, int64_t *ret_rows)
{
    struct exec_sink sink = {.ctx = o, .row = output__row, .reset = output__reset};
    if ((*e)->plan->query->current_of)
        TRY(add_current(s, (*e)->plan->query, &values));
    struct attempt t = {.e = e, .values = values, .o = o};
    t.sink = (*e)->returns || o->spool ? &sink : NULL;
    if (!entry__is_current(s, *e) || !same_names(s, *e))
        TRY(replan(s, &t));
    struct error *failed = run_once(s, &t);
    for (int tries = 1; error_is(failed, E_STALE_SCHEMA) && tries <= MAX_REPLANS; tries++) {
        error_free(failed);
        failed = tries >= HOLD_AFTER && may_hold(s, (*e)->plan) ? run_holding(s, &t)
                                                                : replan_and_run(s, &t);
    }
    *ret_rows = t.result.rows;
    return failed;
}

/* Rows that a write returns may have characters that the client's encoding has not: which is found
 * when they are sent, and has to undo what was written. */
bool statement__may_not_tell(const struct session *s, const struct entry *e)
{
    return e->plan->writes && transaction__outside(s);
}

/* SELECT .. FOR UPDATE: for whoever has the writer, or not at all. */
static bool waits(const struct session *s, const struct entry *e)
{
    return e->query->locks && transaction__outside(s);
}

struct error *statement__run_plan(struct session *s, struct entry **e, const struct value *values,
                                  struct output *o)
{
    int64_t rows = 0;
    bool own = (s->encoding && (*e)->returns && statement__may_not_tell(s, *e)) || waits(s, *e);
    if (own)
        TRY(transaction__begin_implicit(s));
    TRY(run_tries(s, e, values, o, &rows));
    if (own)
        TRY(transaction__end_implicit(s));
    output__complete(o, (*e)->returns && (*e)->query->kind == QUERY_SELECT ? o->rows : rows);
    return NULL;
}

/* The INSERT that fills a table which CREATE TABLE AS made: `made`, whose parameters are its own;
 * or NULL. */
static struct error *fill_table(struct session *s, const char *text, const struct entry *made,
                                const struct value *values, int64_t *ret_rows)
{
    struct sql_script script;
    struct entry *e = NULL;
    int n = made ? made->n_params : 0;
    uint32_t *types = ARENA_ARRAY(&s->worker->arena, uint32_t, n + 1);
    for (int i = 0; i < n; i++)
        types[i] = made->param_types[i]->oid;
    struct output o = {.s = s};
    TRY(sql_parse(text, &s->worker->arena, &script));
    s->refreshes = true;
    struct error *failed = statement__plan(s, &script.stmts[0], types, n, PARAMS_NONE, &e);
    sql_script_done(&script);
    if (!failed)
        failed = run_tries(s, &e, values, &o, ret_rows);
    s->refreshes = false;
    entry__unref(e);
    return error_at(failed, 0); /* a place in another text */
}

/* Statements that fill a materialized view, after what is to change of its record. */
static struct error *run_refresh(struct session *s, struct entry **e, struct output *o)
{
    const char *texts[2];
    bool own = transaction__outside(s);
    int64_t rows = 0;
    for (int i = 0; i < 2; i++) {
        const char *text = (*e)->query->alter_table.refresh_sql[i];
        texts[i] = text ? arena_strdup(&s->worker->arena, text) : NULL;
    }
    if (own)
        TRY(transaction__begin_implicit(s));
    if ((*e)->plan)
        TRY(run_tries(s, e, NULL, o, &rows));
    for (int i = 0; i < 2 && texts[i]; i++)
        TRY(fill_table(s, texts[i], NULL, NULL, &rows));
    if (own)
        TRY(transaction__end_implicit(s));
    pgwire_put_complete(&s->out, "REFRESH MATERIALIZED VIEW");
    return NULL;
}

static struct error *run_create_as(struct session *s, struct entry **e, const struct value *values,
                                   struct output *o)
{
    const char *text = arena_strdup(&s->worker->arena, (*e)->query->create_table.fill);
    bool own = transaction__outside(s);
    int64_t rows = 0;
    if (own)
        TRY(transaction__begin_implicit(s));
    TRY(run_tries(s, e, values, o, &rows));
    TRY(fill_table(s, text, *e, values, &rows));
    if (own)
        TRY(transaction__end_implicit(s));
    output__tag(s, "SELECT", rows);
    return NULL;
}

static struct error *show_row(void *ctx, const char *name, const char *value, const char *text)
{
    const char *texts[3] = {name, value, text};
    output__text_row(ctx, texts, 3);
    return NULL;
}

static struct error *run_show(struct session *s, const struct query *q, struct output *o)
{
    output__begin(o);
    if (!q->set.name) {
        struct error *e;
        settings__each(s, show_row, o, &e);
        TRY(e);
    } else {
        _cleanup_(mem_freep) char *value = NULL;
        TRY(settings__show(s, q->set.name, &value));
        const char *texts[1] = {value};
        output__text_row(o, texts, 1);
    }
    output__complete(o, o->rows);
    return NULL;
}

static struct error *run_set(struct session *s, const struct query *q)
{
    if (q->set.of_transaction || q->set.session_characteristics)
        return transaction__set_modes(s, &q->set.modes, q->set.session_characteristics);
    if (q->set.local && transaction__outside(s))
        session__notice(s, NOTICE_WARNING, "25P01",
                        "SET LOCAL can only be used in transaction blocks");
    return settings__set(s, q->set.name, q->set.value, q->set.local);
}

static struct error *run_discard(struct session *s, const struct query *q)
{
    bool all = strcmp(q->discard, "ALL") == 0;
    if (strcmp(q->discard, "SEQUENCES") == 0)
        exec_forget_sequences(s->exec);
    if (strcmp(q->discard, "TEMP") == 0)
        return exec_temp_discard(s->exec);
    if (!all)
        return NULL;
    if (s->txn != 'I')
        return error_new("25001", "DISCARD ALL cannot run inside a transaction block");
    TRY(exec_temp_discard(s->exec));
    exec_forget_sequences(s->exec);
    extended__drop_portals(s);
    extended__drop_statements(s);
    const struct query unlisten = {.kind = QUERY_UNLISTEN};
    TRY(notify__run(s, &unlisten));
    return settings__reset_all(s);
}

/* What can't be undone with the rest. */
static struct error *check_alone(struct session *s, const struct query *q)
{
    if (!q->alone || transaction__outside(s))
        return NULL;
    return error_new("25001", "%s cannot run inside a transaction block", q->alone);
}

static struct error *set_constraints(struct session *s, const struct query *q)
{
    if (exec_in_transaction(s->exec))
        return exec_set_constraints(s->exec, q->constraints.ids, q->constraints.n,
                                    q->constraints.deferred);
    session__notice(s, NOTICE_WARNING, "25P01",
                    "SET CONSTRAINTS can only be used in transaction blocks");
    return NULL;
}

static struct error *dispatch(struct session *s, struct entry **e, const struct value *values,
                              struct output *o, const char **ret_where)
{
    const struct query *q = (*e)->query;
    const char *tag = q->tag;
    switch (q->kind) {
    case QUERY_TRANSACTION:
        TRY(transaction__run(s, q, &tag));
        break;
    case QUERY_SET:
        TRY(run_set(s, q));
        break;
    case QUERY_RESET:
        TRY(q->set.name ? settings__set(s, q->set.name, NULL, false) : settings__reset_all(s));
        break;
    case QUERY_SHOW:
        return run_show(s, q, o);
    case QUERY_COPY:
        return copy__run(s, e, o, ret_where);
    case QUERY_PREPARE:
    case QUERY_EXECUTE:
    case QUERY_DEALLOCATE:
        return prepare__run(s, *e, o, ret_where);
    case QUERY_DISCARD:
        TRY(run_discard(s, q));
        break;
    case QUERY_CALL:
        if (s->txn != 'I')
            return error_new("25001", "CALL cannot run inside a transaction block");
        TRY(exec_call(s->exec, q->call.procedure, q->call.args, q->call.n));
        break;
    case QUERY_MAINTENANCE:
        schema_notices(s, q);
        TRY(exec_lock_tables(s->exec, q));
        break;
    case QUERY_REFRESH:
        return run_refresh(s, e, o);
    case QUERY_DECLARE:
    case QUERY_CLOSE:
        TRY(cursor__run(s, e, values, o, &tag));
        break;
    case QUERY_SET_CONSTRAINTS:
        TRY(set_constraints(s, q));
        break;
    case QUERY_LISTEN:
    case QUERY_UNLISTEN:
    case QUERY_NOTIFY:
        TRY(notify__run(s, q));
        break;
    case QUERY_FETCH:
        return cursor__run(s, e, values, o, &tag);
    default:
        if (is_schema_change(q))
            TRY(before_schema_change(s, q));
        else if (q->kind == QUERY_TRUNCATE)
            schema_notices(s, q);
        if ((*e)->plan && q->kind == QUERY_CREATE_TABLE && q->create_table.fill)
            return run_create_as(s, e, values, o);
        if ((*e)->plan)
            return statement__run_plan(s, e, values, o);
    }
    pgwire_put_complete(&s->out, tag);
    return NULL;
}

struct error *statement__run(struct session *s, struct entry **e, const struct value *values,
                             struct output *o, const char **ret_where)
{
    TRY(statement__allowed(s, (*e)->query));
    TRY(check_read_only(s, *e));
    TRY(check_alone(s, (*e)->query));
    TRY(check_lock(s, (*e)->query));
    s->queried |= reads_something((*e)->query) && s->txn != 'I';
    o->s = s;
    o->e = *e;
    atomic_store_explicit(&s->cancel, false, memory_order_relaxed);
    atomic_store_explicit(&s->timed_out, false, memory_order_relaxed);
    bool timed = s->settings.statement_timeout_ms && !atomic_load(&s->statement_deadline);
    if (timed)
        atomic_store(&s->statement_deadline, clock_ms() + s->settings.statement_timeout_ms);
    struct error *failed = dispatch(s, e, values, o, ret_where);
    if (timed)
        atomic_store(&s->statement_deadline, 0);
    if (transaction__outside(s))
        settings__transaction_end(s, failed == NULL);
    return failed;
}
