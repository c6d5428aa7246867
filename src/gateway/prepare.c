/*
 * PREPARE, EXECUTE, DEALLOCATE as SQL statements. They share their names with the protocol's
 * prepared statements, as in PostgreSQL.
 */
#include "gateway/gateway_int.h"

/* ---- arguments of EXECUTE: constant expressions -------------------------------------------- */

static struct error *evaluate(const struct expr *e, struct arena *a, struct value *ret)
{
    struct value args[FUNC_MAX_ARGS];
    if (e->kind == EXPR_CONST) {
        *ret = e->value;
        return NULL;
    }
    bool cast = e->kind == EXPR_CAST;
    if ((!cast && e->kind != EXPR_FUNC) || e->n_args > FUNC_MAX_ARGS)
        return error_at(
            error_hint(error_new(E_UNSUPPORTED, "this expression is not supported in EXECUTE"),
                       "Give constants."),
            e->position);
    const struct func *f = e->call.func;
    bool null = false;
    for (int i = 0; i < e->n_args; i++) {
        TRY(evaluate(e->args[i], a, &args[i]));
        null |= args[i].kind == VALUE_NULL;
    }
    if (cast && !f) {
        *ret = args[0];
        return NULL;
    }
    if (null && f->strict) {
        *ret = (struct value){.kind = VALUE_NULL};
        return NULL;
    }
    if (!f->call)
        return error_at(
            error_hint(error_new(E_UNSUPPORTED, "this expression is not supported in EXECUTE"),
                       "Give constants."),
            e->position);
    return f->call(args, e->n_args, a, ret);
}

/* An argument as a value of the parameter's type. */
static struct error *argument(const struct expr *e, const struct type *t, int number,
                              struct arena *a, struct value *ret)
{
    struct value v;
    TRY(evaluate(e, a, &v));
    if (e->type == OID_UNKNOWN && v.kind == VALUE_TEXT)
        return type_parse(t, v.s.p, v.s.n, -1, a, ret);
    *ret = v;
    if (v.kind == VALUE_NULL || e->type == t->oid)
        return NULL;
    const struct cast *c = cast_find(e->type, t->oid, CAST_ASSIGNMENT);
    if (!c)
        return error_at(error_hint(error_new(E_TYPE_MISMATCH,
                                             "parameter $%d of type %s cannot be coerced to the "
                                             "expected type %s",
                                             number, type_label(e->type, -1, a), t->sql_name),
                                   "You will need to rewrite or cast the expression."),
                        e->position);
    const struct value args[2] = {v, {.kind = VALUE_INT, .i = cast_hidden(c)}};
    return c->func ? c->func->call(args, c->func->typed ? 2 : 1, a, ret) : NULL;
}

/* ---- the statements ----------------------------------------------------------------------- */

static struct error *run_prepare(struct session *s, const struct query *q, const char *text)
{
    struct sql_script script;
    struct arena *a = &s->worker->arena;
    const struct query *inner = q->prepare.query;
    TRY(sql_parse(arena_strdup(a, q->prepare.text), a, &script));
    struct entry *e;
    struct error *failed = script.n_stmts == 1 ? statement__plan(s, &script.stmts[0], inner->params,
                                                                 inner->n_params, PARAMS_CLIENT, &e)
                                               : error_new(E_SYNTAX, "one statement is expected");
    sql_script_done(&script);
    TRY(failed);
    return extended__add(s, q->prepare.name, e, text);
}

/* CREATE TABLE .. AS EXECUTE: of the query's text, whose parameters are of the types that it has.
 */
static struct error *run_into(struct session *s, const struct query *q, const struct entry *of,
                              const struct value *values, struct output *o, const char **ret_where)
{
    struct sql_script script;
    struct arena *a = &s->worker->arena;
    struct entry *e = NULL;
    uint32_t *types = ARENA_ARRAY(a, uint32_t, of->n_params + 1);
    if (of->query->kind != QUERY_SELECT)
        return error_new("42809", "prepared statement is not a SELECT");
    for (int i = 0; i < of->n_params; i++)
        types[i] = of->param_types[i]->oid;
    const char *text = arena_printf(a, "%s (%s\n)%s", q->prepare.into, of->text,
                                    q->prepare.no_data ? " LIMIT 0" : "");
    TRY(sql_parse(text, a, &script));
    struct error *failed =
        statement__plan(s, &script.stmts[0], types, of->n_params, PARAMS_NONE, &e);
    sql_script_done(&script);
    if (!failed)
        failed = statement__run(s, &e, values, o, ret_where);
    entry__unref(e);
    return failed;
}

const struct entry *prepare__executed(struct session *s, const struct entry *e)
{
    const struct query *q = e->query;
    const struct statement *st = q && q->kind == QUERY_EXECUTE && !q->prepare.into
                                     ? extended__find(s, q->prepare.name)
                                     : NULL;
    return st && st->entry ? st->entry : e;
}

static struct error *run_execute(struct session *s, const struct query *q, struct output *o,
                                 const char **ret_where)
{
    struct statement *st = extended__find(s, q->prepare.name);
    if (!st || !st->entry)
        return extended__no_statement(q->prepare.name);
    if (!entry__is_current(s, st->entry))
        TRY(error_at(statement__refresh(s, &st->entry, st->entry->returns), 0));
    struct entry *e = st->entry;
    if (e->query->kind == QUERY_EXECUTE || e->query->kind == QUERY_PREPARE)
        return error_new(E_UNSUPPORTED, "EXECUTE of EXECUTE or PREPARE is not supported");
    if (q->prepare.n_args != e->n_params)
        return error_detail(error_new(E_SYNTAX,
                                      "wrong number of parameters for prepared statement \"%s\"",
                                      q->prepare.name),
                            "Expected %d parameters but got %d.", e->n_params, q->prepare.n_args);
    struct arena *a = &s->worker->arena;
    struct value *values = ARENA_ARRAY(a, struct value, e->n_params);
    for (int i = 0; i < e->n_params; i++)
        TRY(argument(q->prepare.args[i], e->param_types[i], i + 1, a, &values[i]));
    o->prepared = true;
    entry__ref(e); /* the statement may be dropped, or planned again, meanwhile */
    struct error *failed = q->prepare.into ? run_into(s, q, e, values, o, ret_where)
                                           : statement__run(s, &e, values, o, ret_where);
    if (o->spool)
        o->executed = e; /* whose rows these are */
    else
        entry__unref(e);
    return error_at(failed, 0); /* a place in another text */
}

static struct error *run_deallocate(struct session *s, const char *name)
{
    if (!name) {
        extended__drop_statements(s);
        return NULL;
    }
    if (!*name || !extended__find(s, name))
        return extended__no_statement(name);
    extended__forget(s, name);
    return NULL;
}

struct error *prepare__run(struct session *s, struct entry *e, struct output *o,
                           const char **ret_where)
{
    const struct query *q = e->query;
    if (q->kind == QUERY_EXECUTE)
        return run_execute(s, q, o, ret_where);
    if (q->kind == QUERY_PREPARE)
        TRY(run_prepare(s, q, e->text));
    else
        TRY(run_deallocate(s, q->prepare.name));
    pgwire_put_complete(&s->out, q->tag);
    return NULL;
}
