/*
 * What SQL around json and jsonb needs: values of any type as JSON, rows with their columns' names.
 */
#include "sql_int.h"

struct error *sql__as_json(struct analysis *a, struct expr *e, uint32_t json_type,
                           struct expr **ret)
{
    *ret = e;
    if (e->type == json_type)
        return NULL;
    if (e->type == OID_RECORD)
        return sql__unsupported(a, e->position - 1, "Name the row's table, or its columns.",
                                "a row made by a subquery or inside a row is not supported as %s",
                                sql__type(a, json_type));
    struct expr *made = sql__new_expr(a, EXPR_FUNC, json_type, e->position - 1, 2);
    made->args[0] = e;
    made->args[1] = sql__const_int(a, OID_INT8, json_value_arg(e->type, e->typmod));
    made->call.func = json_value_func(json_type);
    *ret = made;
    return NULL;
}

static struct expr *text_const(struct analysis *a, const char *s)
{
    return sql__const(a, OID_TEXT, (struct value){.kind = VALUE_TEXT, .s = {s, strlen(s)}}, -1);
}

static struct error *call(struct analysis *a, const char *name, struct expr **args, int n,
                          struct expr **ret)
{
    uint32_t types[3];
    *ret = sql__new_expr(a, EXPR_FUNC, OID_JSON, -1, n);
    memcpy((*ret)->args, args, sizeof(*args) * (size_t)n);
    for (int i = 0; i < MIN(n, 3); i++)
        types[i] = args[i]->type;
    return func_resolve(name, FUNC_SCALAR, types, MIN(n, 3), &(*ret)->call.func);
}

struct error *sql__json_row(struct analysis *a, struct scope *s, const Node *row,
                            const char *between, struct expr **ret)
{
    enum { AT_ONCE = 30 };
    struct target *fields;
    struct expr *all = NULL, *part, *args[1 + 2 * AT_ONCE];
    int n;
    TRY(sql__row_fields(a, s, row, &n, &fields));
    for (int from = 0; from < MAX(n, 1); from += AT_ONCE) {
        int n_args = 1;
        args[0] = text_const(a, between);
        for (int i = from; i < MIN(n, from + AT_ONCE); i++) {
            struct expr *value = fields[i].expr;
            sql__default_unknown(a, &value);
            TRY(sql__as_json(a, text_const(a, fields[i].name), OID_JSON, &args[n_args++]));
            TRY(sql__as_json(a, value, OID_JSON, &args[n_args++]));
        }
        TRY(call(a, "minisql_json_row", args, n_args, &part));
        struct expr *pair[3] = {all, text_const(a, between), part};
        if (all)
            TRY(call(a, "minisql_json_join", pair, 3, &part));
        all = part;
    }
    all->position = sql__location(row) + 1;
    return sql__missing_row(a, s, row, all, ret);
}

/* row_to_json(row, true): a line for each column */
struct error *sql__json_between(const struct analysis *a, const char *name, const List *args,
                                const char **ret)
{
    *ret = ",";
    if (strcmp(name, "row_to_json") != 0 || list_length(args) != 2)
        return NULL;
    const A_Const *c = list_nth(args, 1);
    if (!IsA(c, A_Const) || c->isnull || !IsA(&c->val, Boolean))
        return sql__unsupported(a, sql__location(list_nth(args, 1)), "Write true or false.",
                                "row_to_json() with a computed second argument is not supported");
    *ret = boolVal(&c->val) ? ",\n " : ",";
    return NULL;
}

const char *sql__json_variant(const char *name, const struct expr *arg, bool is_row)
{
    const struct type *t = type_by_oid(arg->type);
    bool lines = is_row || (t && t->category == 'A');
    if (is_row && strcmp(name, "row_to_json") == 0)
        return "minisql_row_to_json";
    return lines && strcmp(name, "json_agg") == 0 ? "minisql_json_agg_lines" : name;
}
