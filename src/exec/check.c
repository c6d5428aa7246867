/*
 * Statements of our own within a schema change: what rows have to satisfy before it, and after.
 */
#include "exec_int.h"

struct first_row {
    bool found;
    int n;
    const struct type **types;
    struct buf values; /* with commas */
};

static struct error *row_found(void *ctx, const struct value *values, int n)
{
    struct first_row *r = ctx;
    for (int i = 0; !r->found && i < MIN(n, r->n); i++) {
        buf_puts(&r->values, i ? ", " : "");
        if (values[i].kind == VALUE_NULL || !r->types[i])
            buf_puts(&r->values, "null");
        else
            type_print(r->types[i], &values[i], -1, &r->values);
    }
    r->found = true;
    return NULL;
}

static struct error *run_text(struct exec_session *s, uint64_t database, const char *names,
                              const char *text, struct first_row *ret)
{
    struct catalog *c = s->draft ? s->draft : s->exec->catalog;
    const struct catalog_view *view =
        exec__with_temporary(s, catalog_of_database(catalog_view(c), database));
    struct sql_context ctx = {.view = view, .names = names};
    struct arena arena = {0}, types = {0};
    struct query *q;
    struct plan *p;
    struct error *failed = sql_analyse_text(text, &ctx, &arena, &q);
    if (failed) {
        catalog_unref(view);
        arena_done(&arena);
        return failed;
    }
    ret->n = q->n_columns;
    ret->types = ARENA_ARRAY(&types, const struct type *, q->n_columns + 1);
    for (int i = 0; i < q->n_columns; i++)
        ret->types[i] = type_by_oid(q->columns[i].type);
    failed = exec_prepare(s->exec, q, text, strlen(text), view, &arena, &p);
    struct exec_sink sink = {.ctx = ret, .row = row_found};
    if (!failed) {
        failed = exec_draft_query(s, p, &sink);
        plan_unref(p);
    }
    arena_done(&types);
    return failed;
}

struct error *exec_draft_text(struct exec_session *s, uint64_t database, const char *names,
                              const char *text)
{
    struct first_row none = {0};
    struct error *failed = run_text(s, database, names, text, &none);
    buf_done(&none.values);
    return failed;
}

struct error *exec_draft_change(struct exec_session *s, uint64_t database, const char *names,
                                const char *text, exec_change_fn *change, void *ctx)
{
    const struct catalog_view *view =
        exec__with_temporary(s, catalog_of_database(exec_view(s), database));
    struct sql_context in = {.view = view, .names = names, .user = s->user};
    _cleanup_(arena_done) struct arena arena = {0};
    struct query *q;
    struct error *failed = sql_analyse_text(text, &in, &arena, &q);
    if (!failed)
        failed = change(ctx, q);
    catalog_unref(view);
    return failed;
}

static void set(char **field, const char *text)
{
    *field = text ? mem_strdup(text) : NULL;
}

struct error *exec__check_error(const struct table *t, const struct alter_check *k)
{
    struct error *e = error_new(k->sqlstate, "%s", k->message);
    set(&e->schema, t->schema);
    set(&e->table, t->name);
    set(&e->column, k->column);
    set(&e->constraint, k->constraint);
    return e;
}

struct error *exec_check_rows(struct exec_session *s, const struct query *q,
                              const struct alter_check *k)
{
    const struct table *t = k->table ? k->table : q->alter_table.table;
    struct first_row row = {0};
    struct error *failed = run_text(s, t->database, q->names, k->query, &row);
    if (!failed && row.found) {
        failed = exec__check_error(t, k);
        if (k->before_values)
            error_detail(failed, "%s%s%s", k->before_values, row.values.data ? row.values.data : "",
                         k->after_values);
    }
    buf_done(&row.values);
    return failed;
}
