/*
 * Expressions of the catalog (a DEFAULT, a CHECK) as PostgreSQL prints them: every literal with its
 * type, every implicit cast that an operator needed, parentheses everywhere, or with `pretty` only
 * where precedence asks for them. Clients compare such texts, and pg_dump writes them into scripts.
 *
 * The text is analysed once more in a mode that keeps casts of constants as they are written
 * (a->as_written), then printed from the tree. What has no printed form here is given back as the
 * user wrote it, which means the same.
 */
#include "sql_int.h"

#include "common/keywords.h"

#include <ctype.h>

struct printer {
    struct buf *out;
    bool pretty;
    int indent;
    bool failed; /* something that is not printed here */
    struct arena *arena;
};

static void print(struct printer *p, const struct expr *e);

/* ---- identifiers -----------------------------------------------------------------------------
 */

static bool is_plain(const char *name)
{
    if (!((*name >= 'a' && *name <= 'z') || *name == '_'))
        return false;
    for (const char *p = name; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_'))
            return false;
    int keyword = ScanKeywordLookup(name, &ScanKeywords);
    return keyword < 0 || ScanKeywordCategories[keyword] == UNRESERVED_KEYWORD;
}

void sql_quote_identifier(const char *name, struct buf *out)
{
    if (is_plain(name))
        buf_puts(out, name);
    else
        sql_quote(name, out);
}

/* ---- constants -------------------------------------------------------------------------------
 */

static void quote_literal(const char *s, size_t n, struct buf *out)
{
    buf_puts(out, "'");
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\'')
            buf_append(out, &s[i], 1);
        buf_append(out, &s[i], 1);
    }
    buf_puts(out, "'");
}

/* The label that makes a literal of this text come back as this type. */
static bool needs_label(const struct expr *e, const char *text, bool *ret_quotes)
{
    bool digit = *text >= '0' && *text <= '9';
    *ret_quotes = true;
    if (e->type == OID_BOOL || (e->type == OID_INT4 && digit))
        *ret_quotes = false;
    if (e->type == OID_NUMERIC && digit && strpbrk(text, ".eE")) {
        *ret_quotes = false;
        return e->typmod >= 0;
    }
    return *ret_quotes && e->type != OID_UNKNOWN;
}

static void print_const(struct printer *p, const struct expr *e, bool label)
{
    _cleanup_(buf_done) struct buf text = {0};
    const struct type *t = type_by_oid(e->type);
    if (e->value.kind == VALUE_NULL) {
        buf_puts(p->out, "NULL");
        if (label && e->type != OID_UNKNOWN)
            buf_printf(p->out, "::%s", type_label(e->type, e->typmod, p->arena));
        return;
    }
    bool quotes;
    if (e->type == OID_BOOL)
        buf_puts(&text, e->value.i ? "true" : "false");
    else
        type_print(t, &e->value, e->typmod, &text);
    bool labelled = needs_label(e, text.data ? text.data : "", &quotes);
    if (quotes)
        quote_literal(text.data ? text.data : "", text.len, p->out);
    else
        buf_append(p->out, text.data, text.len);
    if (labelled && label)
        buf_printf(p->out, "::%s", type_label(e->type, e->typmod, p->arena));
}

/* ---- casts ------------------------------------------------------------------------------------
 */

static bool is_integer(uint32_t type)
{
    return type == OID_INT2 || type == OID_INT4 || type == OID_INT8;
}

/* PostgreSQL compares and adds integers of different widths without a cast. */
static bool is_silent(const struct expr *e)
{
    return e->kind == EXPR_CAST && is_integer(e->type) && is_integer(e->args[0]->type) &&
           e->args[0]->kind == EXPR_CONST &&
           type_by_oid(e->type)->size > type_by_oid(e->args[0]->type)->size;
}

/* A call of the function that enforces a length: x::varchar(10). */
static bool is_length(const struct expr *e)
{
    return e->kind == EXPR_FUNC && e->n_args == 2 &&
           (e->call.func == cast_typmod_func(e->type, true) ||
            e->call.func == cast_typmod_func(e->type, false));
}

static bool is_simple(const struct expr *e)
{
    switch (e->kind) {
    case EXPR_CONST:
    case EXPR_COLUMN:
    case EXPR_PARAM:
    case EXPR_COALESCE:
    case EXPR_NULLIF:
    case EXPR_GREATEST:
    case EXPR_LEAST:
        return true;
    case EXPR_FUNC:
        return e->call.func->kind != FUNC_OPERATOR && !is_length(e);
    case EXPR_CAST:
        return is_silent(e);
    default:
        return false;
    }
}

static void print_cast(struct printer *p, const struct expr *arg, uint32_t type, int32_t typmod)
{
    if (arg->kind == EXPR_CONST && arg->type == type && arg->typmod < 0) {
        print_const(p, arg, false);
    } else {
        bool parens = !p->pretty || !is_simple(arg);
        buf_puts(p->out, parens ? "(" : "");
        print(p, arg);
        buf_puts(p->out, parens ? ")" : "");
    }
    buf_printf(p->out, "::%s", type_label(type, typmod, p->arena));
}

/* ---- operators --------------------------------------------------------------------------------
 */

/* An operand: what is not simple gets parentheses, which non-pretty printing puts by itself. */
static void print_operand(struct printer *p, const struct expr *e)
{
    bool parens = p->pretty && !is_simple(e) && e->kind != EXPR_CAST && !is_length(e);
    buf_puts(p->out, parens ? "(" : "");
    print(p, e);
    buf_puts(p->out, parens ? ")" : "");
}

/* In pretty printing a * b + c needs none, nor a + b - c. */
static bool binds_closer(const struct expr *e, const struct expr *arg)
{
    static const char *const low = "+-", *const high = "*/%";
    if (arg->kind != EXPR_FUNC || arg->call.func->kind != FUNC_OPERATOR || arg->n_args != 2 ||
        e->n_args != 2)
        return false;
    const char *outer = e->call.func->name, *inner = arg->call.func->name;
    if (outer[1] || inner[1])
        return false;
    if (strchr(low, *outer) && strchr(high, *inner))
        return true;
    bool same = (strchr(low, *outer) && strchr(low, *inner)) ||
                (strchr(high, *outer) && strchr(high, *inner));
    return same && arg == e->args[0];
}

static void open_parens(struct printer *p)
{
    buf_puts(p->out, p->pretty ? "" : "(");
}

static void close_parens(struct printer *p)
{
    buf_puts(p->out, p->pretty ? "" : ")");
}

/* Functions and operators take a domain's value as one of the type beneath. */
static bool print_as_base(struct printer *p, const struct expr *e)
{
    if (e->kind != EXPR_COLUMN || !e->domain)
        return false;
    print_cast(p, e, e->type, -1);
    return true;
}

/* Without the type that the analyser has put behind them. */
static int n_written(const struct expr *e)
{
    return e->n_args - e->call.func->typed;
}

static void print_operator(struct printer *p, const struct expr *e)
{
    int n = n_written(e);
    open_parens(p);
    for (int i = 0; i < n; i++) {
        if (i == n - 1)
            buf_printf(p->out, "%s%s ", i ? " " : "", e->call.func->name);
        if (print_as_base(p, e->args[i]))
            continue;
        if (binds_closer(e, e->args[i]))
            print(p, e->args[i]);
        else
            print_operand(p, e->args[i]);
    }
    close_parens(p);
}

static void print_list(struct printer *p, struct expr *const *list, int n)
{
    for (int i = 0; i < n; i++) {
        buf_puts(p->out, i ? ", " : "");
        print(p, list[i]);
    }
}

static void print_named(struct printer *p, const char *name, const struct expr *e)
{
    buf_puts(p->out, name);
    buf_puts(p->out, "(");
    print_list(p, e->args, e->n_args);
    buf_puts(p->out, ")");
}

/* ---- what is written in a way of its own ------------------------------------------------------
 */

static void print_array(struct printer *p, const struct expr *e)
{
    buf_puts(p->out, "ARRAY[");
    print_list(p, e->args, n_written(e));
    buf_puts(p->out, "]");
}

/* a[1][2], or a[1:2][3:4] */
static void print_subscripts(struct printer *p, const struct expr *e, bool slices)
{
    bool bare = e->args[0]->kind == EXPR_COLUMN;
    buf_puts(p->out, bare ? "" : "(");
    print(p, e->args[0]);
    buf_puts(p->out, bare ? "" : ")");
    int first = slices ? 2 : 1; /* args[1] of slices: which bounds are left out */
    if (slices && e->args[1]->value.i)
        p->failed = true;
    for (int i = first; i < n_written(e); i++) {
        bool upper = slices && (i - first) % 2 == 1, lower = slices && !upper;
        buf_puts(p->out, upper ? ":" : "[");
        print(p, e->args[i]);
        buf_puts(p->out, lower ? "" : "]");
    }
}

static void print_get(struct printer *p, const struct expr *e)
{
    print_subscripts(p, e, false);
}

static void print_slice(struct printer *p, const struct expr *e)
{
    print_subscripts(p, e, true);
}

/* An argument of any type: a literal keeps its looks. */
static void print_any_typed(struct printer *p, const struct expr *e)
{
    if (e->kind == EXPR_CONST && e->type == OID_TEXT && e->value.kind == VALUE_TEXT)
        print_const(p, e, false);
    else
        print(p, e);
}

static void print_first(struct printer *p, const struct expr *e)
{
    print_any_typed(p, e->args[0]);
}

/* Functions that nobody wrote; false: it is none of them. */
static bool print_own(struct printer *p, const struct expr *e)
{
    static const struct {
        const char *name;
        void (*print)(struct printer *p, const struct expr *e);
    } own[] = {{"minisql_array", print_array},   {"minisql_array_nested", print_array},
               {"minisql_array_get", print_get}, {"minisql_array_slice", print_slice},
               {"minisql_to_json", print_first}, {"minisql_to_jsonb", print_first}};
    const char *name = e->call.func->name;
    if (strncmp(name, "minisql_", strlen("minisql_")) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (strcmp(own[i].name, name) == 0) {
            own[i].print(p, e);
            return true;
        }
    }
    p->failed = true;
    return true;
}

/* k = ANY (list) */
static void print_any(struct printer *p, const struct expr *e)
{
    open_parens(p);
    print_operand(p, e->args[0]);
    buf_printf(p->out, " %s %s (", e->call.func->name, e->call.all ? "ALL" : "ANY");
    print(p, e->args[1]);
    buf_puts(p->out, ")");
    close_parens(p);
}

static bool takes_any(const struct expr *e, int i)
{
    const struct func *f = e->call.func;
    return f->nargs > 0 && f->args[MIN(i, f->nargs - 1)] == OID_ANY;
}

static void print_call(struct printer *p, const struct expr *e)
{
    const char *name = e->call.func->name;
    if (is_length(e)) {
        print_cast(p, e->args[0], e->type, e->typmod);
    } else if (e->call.func->kind == FUNC_OPERATOR) {
        print_operator(p, e);
    } else if (strcmp(name, "extract") == 0 && e->args[0]->kind == EXPR_CONST) {
        buf_printf(p->out, "EXTRACT(%.*s FROM ", (int)e->args[0]->value.s.n, e->args[0]->value.s.p);
        print(p, e->args[1]);
        buf_puts(p->out, ")");
    } else if (!print_own(p, e)) {
        int n = n_written(e);
        sql_quote_identifier(name, p->out);
        for (int i = 0; i < n; i++) {
            buf_puts(p->out, i ? ", " : "(");
            if (takes_any(e, i))
                print_any_typed(p, e->args[i]);
            else if (!print_as_base(p, e->args[i]))
                print(p, e->args[i]);
        }
        buf_puts(p->out, n ? ")" : "()");
    }
}

static bool is_not_in(const struct expr *e)
{
    return e->kind == EXPR_NOT && e->args[0]->kind == EXPR_IN;
}

/* AND and OR: in pretty printing AND binds closer. */
static void print_bool(struct printer *p, const struct expr *e, const char *op)
{
    open_parens(p);
    for (int i = 0; i < e->n_args; i++) {
        const struct expr *arg = e->args[i];
        bool parens = p->pretty && (arg->kind == EXPR_OR || arg->kind == EXPR_AND ||
                                    arg->kind == EXPR_IN || is_not_in(arg));
        parens = parens && !(e->kind == EXPR_OR && arg->kind == EXPR_AND);
        buf_puts(p->out, i ? op : "");
        buf_puts(p->out, parens ? "(" : "");
        print(p, arg);
        buf_puts(p->out, parens ? ")" : "");
    }
    close_parens(p);
}

static void print_is(struct printer *p, const struct expr *e)
{
    static const char *const tests[] = {[IS_NULL] = "NULL",       [IS_NOT_NULL] = "NOT NULL",
                                        [IS_TRUE] = "TRUE",       [IS_NOT_TRUE] = "NOT TRUE",
                                        [IS_FALSE] = "FALSE",     [IS_NOT_FALSE] = "NOT FALSE",
                                        [IS_UNKNOWN] = "UNKNOWN", [IS_NOT_UNKNOWN] = "NOT UNKNOWN"};
    open_parens(p);
    print_operand(p, e->args[0]);
    buf_printf(p->out, " IS %s", tests[e->test]);
    close_parens(p);
}

/* x IN ('a', 'b') over a varchar column: PostgreSQL makes the array of varchar and casts it. */
static bool is_varchar_list(const struct expr *e)
{
    const struct expr *left = e->args[0];
    if (left->kind != EXPR_CAST || left->call.func || left->type != OID_TEXT ||
        left->args[0]->type != OID_VARCHAR)
        return false;
    for (int i = 1; i < e->n_args; i++)
        if (e->args[i]->kind != EXPR_CAST || e->args[i]->args[0]->kind != EXPR_CONST ||
            e->args[i]->args[0]->type != OID_VARCHAR)
            return false;
    return true;
}

static void print_in(struct printer *p, const struct expr *e, bool negated)
{
    bool varchar = is_varchar_list(e);
    open_parens(p);
    print_operand(p, e->args[0]);
    buf_puts(p->out, negated ? " <> ALL (" : " = ANY (");
    if (varchar)
        buf_puts(p->out, p->pretty ? "" : "(");
    buf_puts(p->out, "ARRAY[");
    for (int i = 1; i < e->n_args; i++) {
        buf_puts(p->out, i > 1 ? ", " : "");
        print(p, varchar ? e->args[i]->args[0] : e->args[i]);
    }
    buf_puts(p->out, "]");
    if (varchar)
        buf_puts(p->out, p->pretty ? "::text[]" : ")::text[]");
    buf_puts(p->out, ")");
    close_parens(p);
}

static void print_not(struct printer *p, const struct expr *e)
{
    if (is_not_in(e)) {
        print_in(p, e->args[0], true);
        return;
    }
    open_parens(p);
    buf_puts(p->out, "NOT ");
    if (e->args[0]->kind == EXPR_FUNC)
        print(p, e->args[0]);
    else
        print_operand(p, e->args[0]);
    close_parens(p);
}

static void new_line(struct printer *p)
{
    buf_printf(p->out, "\n%*s", p->indent, "");
}

static void print_case(struct printer *p, const struct expr *e)
{
    enum { STEP = 4 };
    new_line(p);
    buf_puts(p->out, "CASE");
    p->indent += STEP;
    for (int i = 0; i + 1 < e->n_args; i += 2) {
        new_line(p);
        buf_puts(p->out, "WHEN ");
        print(p, e->args[i]);
        buf_puts(p->out, " THEN ");
        print(p, e->args[i + 1]);
    }
    new_line(p);
    buf_puts(p->out, "ELSE ");
    print(p, e->args[e->n_args - 1]);
    p->indent -= STEP;
    new_line(p);
    buf_puts(p->out, "END");
}

static void print_distinct(struct printer *p, const struct expr *e)
{
    open_parens(p);
    print_operand(p, e->args[0]);
    buf_puts(p->out, " IS DISTINCT FROM ");
    print_operand(p, e->args[1]);
    close_parens(p);
}

static void print_param(struct printer *p, const struct expr *e)
{
    if (e->param == -1 - HIDDEN_NOW)
        buf_puts(p->out, "CURRENT_TIMESTAMP");
    else if (e->param == -1 - HIDDEN_USER)
        buf_puts(p->out, "CURRENT_USER");
    else
        p->failed = true;
}

/* ---- all --------------------------------------------------------------------------------------
 */

static void print(struct printer *p, const struct expr *e)
{
    if (e->domain && (e->kind == EXPR_CAST || e->kind == EXPR_FUNC)) {
        print_cast(p, e->args[0], e->domain, -1);
        return;
    }
    switch (e->kind) {
    case EXPR_CONST:
        print_const(p, e, true);
        break;
    case EXPR_COLUMN:
        if (e->col.rte->table && e->col.rte->table->is_domain) {
            buf_puts(p->out, "VALUE");
            break;
        }
        sql_quote_identifier(e->col.rte->columns[e->col.column].name, p->out);
        break;
    case EXPR_PARAM:
        print_param(p, e);
        break;
    case EXPR_FUNC:
        print_call(p, e);
        break;
    case EXPR_CAST:
        if (e->args[0]->kind == EXPR_PARAM && e->type == OID_DATE)
            buf_puts(p->out, "CURRENT_DATE");
        else if (e->args[0]->kind == EXPR_PARAM)
            p->failed = true;
        else if (is_silent(e))
            print(p, e->args[0]);
        else
            print_cast(p, e->args[0], e->type, e->typmod);
        break;
    case EXPR_AND:
        print_bool(p, e, " AND ");
        break;
    case EXPR_OR:
        print_bool(p, e, " OR ");
        break;
    case EXPR_NOT:
        print_not(p, e);
        break;
    case EXPR_IS:
        print_is(p, e);
        break;
    case EXPR_DISTINCT:
        print_distinct(p, e);
        break;
    case EXPR_CASE:
        print_case(p, e);
        break;
    case EXPR_COALESCE:
        print_named(p, "COALESCE", e);
        break;
    case EXPR_NULLIF:
        print_named(p, "NULLIF", e);
        break;
    case EXPR_GREATEST:
        print_named(p, "GREATEST", e);
        break;
    case EXPR_LEAST:
        print_named(p, "LEAST", e);
        break;
    case EXPR_IN:
        print_in(p, e, false);
        break;
    case EXPR_ANY:
        print_any(p, e);
        break;
    default:
        p->failed = true;
    }
}

static struct error *analyse(const struct catalog_view *v, const struct table *t, const char *sql,
                             const struct column *column, struct arena *arena, struct expr **ret)
{
    struct sql_context ctx = {.view = v};
    struct sql_script script = {.text = sql, .len = strlen(sql), .parsed = sql};
    struct analysis a = {.ctx = &ctx, .arena = arena, .script = &script, .as_written = true};
    bool plain = column && !column->generated;
    struct scope s = {.clause = plain               ? CLAUSE_DEFAULT
                                : t && t->is_domain ? CLAUSE_DOMAIN
                                                    : CLAUSE_CHECK};
    a.path = sql__path(&ctx, arena);
    a.q = ARENA_NEW(arena, struct query);
    if (t)
        sql__add_item(&a, &s, sql__base_rte(&a, t, t->name, -1));
    TRY(sql__stored_expr(&a, &s, sql, ret));
    if (column && (*ret)->type == OID_UNKNOWN)
        TRY(sql__coerce(&a, *ret, column->type, -1, CAST_ASSIGNMENT, ret));
    return NULL;
}

struct error *sql__column_places(struct analysis *a, const struct table *t, const char *sql,
                                 bool (*visit)(void *ctx, const struct expr *e), void *ctx)
{
    struct expr *e;
    TRY(analyse(a->ctx->view, t, sql, NULL, a->arena, &e));
    expr_walk(e, false, visit, ctx);
    return NULL;
}

struct found_columns {
    int *columns, n;
};

static bool find_column(void *ctx, const struct expr *e)
{
    struct found_columns *f = ctx;
    for (int i = 0; e->kind == EXPR_COLUMN && i < f->n; i++)
        if (f->columns[i] == e->col.column)
            return true;
    if (e->kind == EXPR_COLUMN)
        f->columns[f->n++] = e->col.column;
    return true;
}

int sql_columns_of(const struct catalog_view *v, const struct table *t, const char *sql,
                   struct arena *arena, int **ret)
{
    struct expr *e;
    struct found_columns f = {.columns = ARENA_ARRAY(arena, int, MAX(t->n_columns, 1))};
    struct error *err = analyse(v, t, sql, NULL, arena, &e);
    if (!err)
        expr_walk(e, false, find_column, &f);
    error_free(err);
    *ret = f.columns;
    return f.n;
}

/* As PostgreSQL tells a call from what needs parentheses around it. */
static bool looks_like_call(const struct expr *e)
{
    if (e->kind == EXPR_FUNC)
        return isalpha((unsigned char)*e->call.func->name) || *e->call.func->name == '_';
    return e->kind == EXPR_COALESCE || e->kind == EXPR_NULLIF || e->kind == EXPR_GREATEST ||
           e->kind == EXPR_LEAST;
}

void sql_deparse_key(const struct catalog_view *v, const struct table *t, const char *sql,
                     bool pretty, struct buf *out)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct expr *e;
    struct error *err = analyse(v, t, sql, NULL, &arena, &e);
    bool bare = !err && looks_like_call(e);
    error_free(err);
    buf_puts(out, bare ? "" : "(");
    sql_deparse(v, t, sql, NULL, pretty, out);
    buf_puts(out, bare ? "" : ")");
}

void sql_deparse(const struct catalog_view *v, const struct table *t, const char *sql,
                 const struct column *column, bool pretty, struct buf *out)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct printer p = {.out = &text, .pretty = pretty, .arena = &arena};
    struct expr *e;
    struct error *err = analyse(v, t, sql, column, &arena, &e);
    if (!err)
        print(&p, e);
    if (err || p.failed)
        buf_puts(out, sql);
    else
        buf_append(out, text.data, text.len);
    error_free(err);
}
