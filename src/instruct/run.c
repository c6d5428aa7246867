/* Executing an instruction: analysed, planned and run like a statement of a client's, in a session
 * of its own; the rows become JSON. */
#include "instruct/instruct_int.h"

#include <math.h>
#include <stdio.h>

enum {
    REPLANS_MAX = 5,
    DATA_MAX = COORD_VALUE_MAX / 2, /* bytes of rows; what is beyond is left out, and said so */
};

struct rows {
    const struct plan *plan;
    json_t *data;
    size_t bytes;
    bool truncated;
};

/* ---- rows --------------------------------------------------------------------------------- */

/* Numbers and booleans as JSON has them, anything else as PostgreSQL prints it. */
static json_t *to_json(const struct value *v, const struct result_column *c)
{
    if (v->kind == VALUE_NULL)
        return json_null();
    if (c->type == OID_BOOL)
        return json_boolean(v->i != 0);
    if (v->kind == VALUE_INT && type_by_oid(c->type)->category == 'N')
        return json_integer(v->i);
    if (v->kind == VALUE_REAL && isfinite(v->r))
        return json_real(v->r);
    _cleanup_(buf_done) struct buf text = {0};
    const struct type *t = type_by_oid(c->type);
    type_print(t ? t : type_by_oid(OID_TEXT), v, c->typmod, &text);
    json_t *j = json_stringn(text.data ? text.data : "", text.len);
    return j ? j : json_string("?"); /* not UTF-8 */
}

static struct error *take_row(void *ctx, const struct value *values, int n)
{
    struct rows *rows = ctx;
    if (rows->truncated)
        return NULL;
    json_t *row = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(row, to_json(&values[i], &rows->plan->columns[i]));
    size_t bytes = json_dumpb(row, NULL, 0, JSON_COMPACT) + 1;
    rows->truncated = rows->bytes + bytes > DATA_MAX;
    rows->bytes += bytes;
    if (!rows->truncated)
        json_array_append(rows->data, row);
    json_decref(row);
    return NULL;
}

static bool start_over(void *ctx)
{
    struct rows *rows = ctx;
    json_array_clear(rows->data);
    rows->bytes = 0;
    rows->truncated = false;
    return true;
}

/* ---- the statement ------------------------------------------------------------------------ */

static struct error *plan_statement(struct instruct *in, const char *text, struct plan **ret)
{
    int n_extra;
    const struct table *const *extra = exec_system_tables(&n_extra);
    const struct catalog_view *view = catalog_of_database(catalog_view(in->o.catalog), 0);
    const struct sql_context ctx = {
        .view = view, .extra = extra, .n_extra = n_extra, .no_params = true};
    struct arena arena = {0};
    struct query *q;
    struct error *e = sql_analyse_text(text, &ctx, &arena, &q);
    if (!e && q->kind > QUERY_OBJECTS && q->kind != QUERY_EXPLAIN)
        e = error_hint(error_new(E_UNSUPPORTED, "%s is not supported as an instruction", q->tag),
                       "An instruction reads or writes tables, or creates or drops them.");
    if (e) {
        catalog_unref(view);
        arena_done(&arena);
        return e;
    }
    return exec_prepare(in->o.exec, q, text, strlen(text), view, &arena, ret);
}

/* Can it be sent again, when nobody knows whether it was before? */
static bool is_repeatable(const struct plan *p)
{
    if (p->explain && !p->analyze)
        return true;
    return p->kind == PLAN_REGION || (!p->writes && p->kind != PLAN_DDL && p->kind != PLAN_INSERT);
}

static void describe(const struct plan *p, const struct rows *rows, int64_t count, json_t *record)
{
    const struct query *q = p->query;
    char tag[96];
    if (p->explain)
        snprintf(tag, sizeof(tag), "EXPLAIN");
    else if (q->counts_rows)
        snprintf(tag, sizeof(tag), "%s %lld", q->tag, (long long)count);
    else
        snprintf(tag, sizeof(tag), "%s", q->tag);
    json_object_set_new(record, "tag", json_string(tag));
    json_t *columns = json_array();
    for (int i = 0; p->returns && i < p->n_columns; i++)
        json_array_append_new(columns, json_string(p->columns[i].name));
    json_object_set_new(record, "columns", columns);
    json_object_set(record, "data", rows->data);
    if (rows->truncated)
        json_object_set_new(record, "truncated", json_true());
}

static struct error *run_once(struct instruct *in, struct exec_session *s, const char *text,
                              bool again, struct exec_result *result, json_t *record)
{
    struct plan *p;
    TRY(plan_statement(in, text, &p));
    if (again && !is_repeatable(p)) {
        plan_unref(p);
        return error_hint(error_new(E_COORD_UNKNOWN, "the server stopped while this ran; whether "
                                                     "it took effect is unknown"),
                          "Look, and put it under another id if it has to be done.");
    }
    struct rows rows = {.plan = p, .data = json_array()};
    const struct exec_sink sink = {.ctx = &rows, .row = take_row, .reset = start_over};
    struct error *e = exec_run(s, p, NULL, &sink, result);
    if (!e)
        describe(p, &rows, result->rows, record);
    json_decref(rows.data);
    plan_unref(p);
    return e;
}

static struct exec_session *session_begin(struct instruct *in)
{
    const struct exec_session_options o = {.user = "minisql", .database = "minisql"};
    struct exec_session *s = exec_session_new(in->o.exec, &o);
    pthread_mutex_lock(&in->lock);
    in->session = s;
    if (in->stop)
        exec_cancel(s);
    pthread_mutex_unlock(&in->lock);
    return s;
}

/* True: the server stops. */
static bool session_end(struct instruct *in, struct exec_session *s)
{
    pthread_mutex_lock(&in->lock);
    in->session = NULL;
    bool stop = in->stop;
    pthread_mutex_unlock(&in->lock);
    exec_session_free(s);
    return stop;
}

static json_t *error_to_json(const struct error *e)
{
    if (!e)
        return json_null();
    return json_pack("{s:s, s:s, s:s*, s:s*}", "sqlstate", e->sqlstate, "message", e->message,
                     "detail", e->detail, "hint", e->hint);
}

void instruct__run(struct instruct *in, const char *statement, const struct store_request *request,
                   bool again, json_t **ret)
{
    json_t *record = json_pack("{s:s}", "statement", statement);
    if (!record) /* not UTF-8: analysing it says so */
        record = json_object();
    struct exec_session *s = session_begin(in);
    struct exec_result result = {.request = *request};
    struct error *e;
    for (int i = 0;; i++) {
        e = run_once(in, s, statement, again, &result, record);
        if (!error_is(e, E_STALE_SCHEMA) || i == REPLANS_MAX)
            break;
        error_free(e);
    }
    if (error_is(e, E_STALE_SCHEMA)) {
        error_free(e);
        e = error_hint(error_new(E_SERIALIZATION, "the schema keeps changing"),
                       "Put it again, under another id.");
    }
    bool stop = session_end(in, s);
    if (e && stop) { /* maybe because of that; the next life finds out */
        error_free(e);
        json_decref(record);
        *ret = NULL;
        return;
    }
    json_object_set_new(record, "error", error_to_json(e));
    json_object_set_new(record, "finished", json_integer((json_int_t)clock_wall_ms()));
    error_free(e);
    *ret = record;
}
