/*
 * Statements that are no queries and change no schema: transactions, settings, EXPLAIN, COPY,
 * PREPARE, maintenance. Everything else ends here with 0A000 and what to do instead.
 */
#include "sql_int.h"

#include "lex.h"

#include <limits.h>

#include <strings.h>

static const char *copy_string(struct analysis *a, const char *s)
{
    return s ? arena_strdup(a->arena, s) : NULL;
}

/* ---- transactions
 * ----------------------------------------------------------------------------------------- */

static struct error *isolation(const struct analysis *a, const char *name, enum isolation *ret)
{
    static const struct {
        const char *name;
        enum isolation level;
    } levels[] = {{"read uncommitted", READ_UNCOMMITTED},
                  {"read committed", READ_COMMITTED},
                  {"repeatable read", REPEATABLE_READ},
                  {"serializable", SERIALIZABLE}};
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (strcmp(levels[i].name, name) == 0) {
            *ret = levels[i].level;
            return NULL;
        }
    }
    return error_new("22023", "invalid value for parameter \"transaction_isolation\": \"%s\"",
                     name);
}

static const char *const_text(struct analysis *a, const Node *n)
{
    if (!n)
        return NULL;
    if (IsA(n, TypeCast))
        n = ((const TypeCast *)n)->arg;
    if (!IsA(n, A_Const))
        return NULL;
    const A_Const *c = (const A_Const *)n;
    switch (nodeTag(&c->val)) {
    case T_Integer:
        return arena_printf(a->arena, "%d", intVal(&c->val));
    case T_Float:
        return copy_string(a, castNode(Float, &c->val)->fval);
    case T_Boolean:
        return boolVal(&c->val) ? "true" : "false";
    case T_String:
        return copy_string(a, strVal(&c->val));
    default:
        return NULL;
    }
}

static struct error *read_modes(struct analysis *a, const List *options,
                                struct transaction_modes *ret)
{
    ret->read_only = ret->deferrable = -1;
    for (int i = 0; i < list_length(options); i++) {
        const DefElem *d = list_nth(options, i);
        const char *value = const_text(a, d->arg);
        bool on = value && strcmp(value, "0") != 0 && strcmp(value, "false") != 0;
        if (strcmp(d->defname, "transaction_isolation") == 0)
            TRY(isolation(a, value ? value : "", &ret->isolation));
        else if (strcmp(d->defname, "transaction_read_only") == 0)
            ret->read_only = on;
        else
            ret->deferrable = on;
    }
    return NULL;
}

static struct error *transaction(struct analysis *a, const Node *node)
{
    const TransactionStmt *n = (const TransactionStmt *)node;
    static const struct {
        TransactionStmtKind kind;
        enum transaction_kind to;
        const char *tag;
    } kinds[] = {
        {TRANS_STMT_BEGIN, TRANSACTION_BEGIN, "BEGIN"},
        {TRANS_STMT_START, TRANSACTION_BEGIN, "START TRANSACTION"},
        {TRANS_STMT_COMMIT, TRANSACTION_COMMIT, "COMMIT"},
        {TRANS_STMT_ROLLBACK, TRANSACTION_ROLLBACK, "ROLLBACK"},
        {TRANS_STMT_SAVEPOINT, TRANSACTION_SAVEPOINT, "SAVEPOINT"},
        {TRANS_STMT_RELEASE, TRANSACTION_RELEASE, "RELEASE"},
        {TRANS_STMT_ROLLBACK_TO, TRANSACTION_ROLLBACK_TO, "ROLLBACK"},
    };
    struct query *q = a->q;
    q->kind = QUERY_TRANSACTION;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].kind == n->kind) {
            q->tag = kinds[i].tag;
            q->transaction.kind = kinds[i].to;
        }
    }
    if (!q->tag)
        return sql__unsupported(a, -1, "Use BEGIN and COMMIT.",
                                "two-phase commit by hand is not supported");
    q->transaction.savepoint = copy_string(a, n->savepoint_name);
    q->transaction.chain = n->chain;
    return read_modes(a, n->options, &q->transaction.modes);
}

/* ---- settings
 * ------------------------------------------------------------------------------------------------
 */

/* names: each as an identifier of a list */
static const char *joined_args(struct analysis *a, const List *args, bool names)
{
    const char *text = NULL;
    for (int i = 0; i < list_length(args); i++) {
        const char *one = const_text(a, list_nth(args, i));
        if (one && names)
            one = sql__list_name(a, one);
        text = text ? arena_printf(a->arena, "%s, %s", text, one ? one : "") : one;
    }
    return text;
}

/* SET TRANSACTION .., SET SESSION CHARACTERISTICS AS TRANSACTION .. */
static struct error *set_transaction(struct analysis *a, const VariableSetStmt *n)
{
    struct query *q = a->q;
    q->set.session_characteristics = strcmp(n->name, "SESSION CHARACTERISTICS") == 0;
    q->set.of_transaction = !q->set.session_characteristics;
    q->set.local = q->set.of_transaction;
    if (strcmp(n->name, "TRANSACTION SNAPSHOT") == 0)
        return sql__unsupported(a, -1, "Read it all in one transaction.",
                                "SET TRANSACTION SNAPSHOT is not supported");
    return read_modes(a, n->args, &q->set.modes);
}

static char *lower(struct analysis *a, const char *s)
{
    char *out = arena_strdup(a->arena, s);
    for (char *p = out; *p; p++) {
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p | 0x20);
    }
    return out;
}

/* SET TIME ZONE INTERVAL '..': hours to the east, as a zone's name. False: it is no interval. */
static bool zone_of_interval(struct analysis *a, const List *args, const char **ret)
{
    const TypeCast *c = list_length(args) == 1 ? linitial(args) : NULL;
    if (!c || !IsA(c, TypeCast) || strcmp(strVal(llast(c->typeName->names)), "interval") != 0)
        return false;
    const char *text = const_text(a, (const Node *)c);
    const struct type *t = type_by_oid(OID_INTERVAL);
    struct value v;
    struct error *e = text ? t->parse(t, text, strlen(text), -1, a->arena, &v) : NULL;
    if (!text || e) {
        error_free(e);
        return false;
    }
    bool west = v.s.n && v.s.p[0] == '-';
    int n = (int)v.s.n - west - (v.s.n > 3 && memcmp(v.s.p + v.s.n - 3, ":00", 3) == 0 ? 3 : 0);
    const char *digits = v.s.p + west;
    *ret = arena_printf(a->arena, "<%c%.*s>%c%.*s", west ? '-' : '+', n, digits, west ? '+' : '-',
                        n, digits);
    return true;
}

static struct error *set(struct analysis *a, const Node *node)
{
    const VariableSetStmt *n = (const VariableSetStmt *)node;
    struct query *q = a->q;
    bool reset = n->kind == VAR_RESET || n->kind == VAR_RESET_ALL;
    q->kind = reset ? QUERY_RESET : QUERY_SET;
    q->tag = reset ? "RESET" : "SET";
    if (n->kind == VAR_SET_MULTI)
        return set_transaction(a, n);
    if (n->kind == VAR_SET_CURRENT)
        return sql__unsupported(a, -1, "Write the value.", "SET ... FROM CURRENT is not supported");
    q->set.name = n->name ? lower(a, n->name) : NULL;
    q->set.local = n->is_local;
    if (n->kind == VAR_SET_VALUE &&
        !(strcmp(q->set.name, "timezone") == 0 && zone_of_interval(a, n->args, &q->set.value)))
        q->set.value = joined_args(a, n->args, strcmp(q->set.name, "search_path") == 0);
    return NULL;
}

static void text_columns(struct analysis *a, int n, const char *const *names)
{
    struct query *q = a->q;
    q->returns = true;
    q->n_columns = n;
    q->columns = ARENA_ARRAY(a->arena, struct result_column, n);
    for (int i = 0; i < n; i++)
        q->columns[i] = (struct result_column){.name = names[i], .type = OID_TEXT, .typmod = -1};
}

static struct error *show(struct analysis *a, const Node *node)
{
    const VariableShowStmt *n = (const VariableShowStmt *)node;
    struct query *q = a->q;
    q->kind = QUERY_SHOW;
    q->tag = "SHOW";
    if (strcmp(n->name, "all") == 0) {
        text_columns(a, 3, (const char *[]){"name", "setting", "description"});
    } else {
        static const char *const mixed[] = {"DateStyle", "IntervalStyle", "TimeZone"};
        const char *shown = q->set.name = lower(a, n->name);
        for (size_t i = 0; i < ARRAY_LEN(mixed); i++)
            if (strcasecmp(mixed[i], shown) == 0)
                shown = mixed[i];
        text_columns(a, 1, &shown);
    }
    return NULL;
}

/* ---- statements inside statements
 * ------------------------------------------------------------------------------- */

static const char *skip_parentheses(const char *p, const char *end)
{
    struct token t;
    int depth = 0;
    do {
        p = sql__lex(p, end, &t);
        if (t.kind == TOKEN_PUNCTUATION && *t.start == '(')
            depth++;
        if (t.kind == TOKEN_PUNCTUATION && *t.start == ')')
            depth--;
    } while (depth > 0 && t.kind != TOKEN_END);
    return p;
}

static const char *explained_text(struct analysis *a, const ExplainStmt *n,
                                  const struct sql_stmt *stmt)
{
    const char *text = a->script->text, *end = text + stmt->offset + stmt->len;
    const char *p = text + stmt->offset, *next;
    struct token t;
    p = sql__lex(p, end, &t); /* EXPLAIN */
    next = sql__lex(p, end, &t);
    if (n->options && t.kind == TOKEN_PUNCTUATION) {
        p = skip_parentheses(p, end);
    } else {
        while (sql__is_word(&t, "analyze") || sql__is_word(&t, "analyse") ||
               sql__is_word(&t, "verbose")) {
            p = next;
            next = sql__lex(p, end, &t);
        }
    }
    while (p < end && strchr(" \t\r\n\f", *p))
        p++;
    return arena_strndup(a->arena, p, (size_t)(end - p));
}

static bool option_on(struct analysis *a, const DefElem *d)
{
    if (!d->arg)
        return true;
    if (IsA(d->arg, Integer))
        return intVal(d->arg) != 0;
    if (IsA(d->arg, Boolean))
        return boolVal(d->arg);
    const char *s = IsA(d->arg, String) ? strVal(d->arg) : "on";
    return strcasecmp(s, "off") != 0 && strcasecmp(s, "false") != 0;
}

static bool is_explain_option(const char *name)
{
    static const char *const all[] = {"analyze", "verbose",  "costs", "timing", "format",
                                      "buffers", "settings", "wal",   "summary"};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (strcmp(name, all[i]) == 0)
            return true;
    return false;
}

static struct error *explain_format(struct analysis *a, const DefElem *d)
{
    static const char *const others[] = {"xml", "yaml"};
    const char *f = d->arg && IsA(d->arg, String) ? strVal(d->arg) : "";
    a->q->explain.json = strcmp(f, "json") == 0;
    if (a->q->explain.json || strcmp(f, "text") == 0)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (strcmp(f, others[i]) == 0)
            return sql__unsupported(a, d->location, "Use FORMAT TEXT or FORMAT JSON.",
                                    "EXPLAIN format \"%s\" is not supported", f);
    return sql__at(
        a,
        error_new("22023", "unrecognized value for EXPLAIN option \"%s\": \"%s\"", d->defname, f),
        d->location);
}

static struct error *needs_analyze(const struct query *q, bool wal, bool timing)
{
    if (q->explain.analyze || (!wal && !timing))
        return NULL;
    return error_new("22023", "EXPLAIN option %s requires ANALYZE", wal ? "WAL" : "TIMING");
}

static struct error *explain_options(struct analysis *a, const ExplainStmt *n)
{
    struct query *q = a->q;
    bool wal = false, timing = false;
    q->explain.costs = q->explain.timing = true;
    for (int i = 0; i < list_length(n->options); i++) {
        const DefElem *d = list_nth(n->options, i);
        bool on = true;
        if (strcmp(d->defname, "format") != 0 && is_explain_option(d->defname))
            TRY(sql__option_on(d, &on));
        if (strcmp(d->defname, "analyze") == 0)
            q->explain.analyze = on;
        else if (strcmp(d->defname, "verbose") == 0)
            q->explain.verbose = on;
        else if (strcmp(d->defname, "costs") == 0)
            q->explain.costs = on;
        else if (strcmp(d->defname, "timing") == 0)
            q->explain.timing = timing = on;
        else if (strcmp(d->defname, "wal") == 0)
            wal = on;
        else if (strcmp(d->defname, "format") == 0) {
            TRY(explain_format(a, d));
        } else if (!is_explain_option(d->defname)) {
            return sql__at(a, error_new(E_SYNTAX, "unrecognized EXPLAIN option \"%s\"", d->defname),
                           d->location);
        }
    }
    return needs_analyze(q, wal, timing);
}

/* The parameters of a statement inside this one are its own. */
static struct error *adopt_params(struct analysis *a, const struct query *inner)
{
    for (int i = 0; i < inner->n_params; i++) {
        struct expr *e;
        TRY(sql__param(a, i + 1, -1, &e));
        a->params[i] = inner->params[i];
        e->type = inner->params[i];
    }
    return NULL;
}

static struct error *explain(struct analysis *a, const Node *node, const struct sql_stmt *stmt)
{
    const ExplainStmt *n = (const ExplainStmt *)node;
    struct query *q = a->q;
    q->kind = QUERY_EXPLAIN;
    q->tag = "EXPLAIN";
    TRY(explain_options(a, n));
    q->explain.text = explained_text(a, n, stmt);
    TRY(sql__analyse_node(n->query, stmt, a->ctx, a->arena, &q->explain.query));
    q->literals_matter |= q->explain.query->literals_matter;
    const struct query *inner = q->explain.query;
    if (inner->kind > QUERY_MERGE)
        return sql__unsupported(a, -1, "Explain a SELECT, INSERT, UPDATE or DELETE.",
                                "EXPLAIN of this kind of statement is not supported");
    TRY(adopt_params(a, inner));
    q->writes = q->explain.analyze && inner->writes;
    q->locks = q->explain.analyze && inner->locks;
    q->volatile_ = inner->volatile_;
    text_columns(a, 1, (const char *[]){"QUERY PLAN"});
    return NULL;
}

static struct error *prepare(struct analysis *a, const Node *node, const struct sql_stmt *stmt)
{
    const PrepareStmt *n = (const PrepareStmt *)node;
    struct query *q = a->q;
    q->kind = QUERY_PREPARE;
    q->tag = "PREPARE";
    q->prepare.name = copy_string(a, n->name);
    const char *p = a->script->text + stmt->offset, *end = p + stmt->len;
    struct token t;
    do {
        p = sql__lex(p, end, &t);
    } while (!sql__is_word(&t, "as") && t.kind != TOKEN_END);
    while (p < end && strchr(" \t\r\n\f", *p))
        p++;
    q->prepare.text = arena_strndup(a->arena, p, (size_t)(end - p));
    int n_types = list_length(n->argtypes);
    uint32_t *types = ARENA_ARRAY(a->arena, uint32_t, MAX(n_types, 1));
    for (int i = 0; i < n_types; i++) {
        const struct type *type;
        int32_t typmod;
        TRY(sql__type_name(a, list_nth(n->argtypes, i), &type, &typmod, NULL));
        types[i] = type->oid;
    }
    struct sql_context inner = *a->ctx;
    inner.no_params = inner.lifted = false;
    inner.param_types = types;
    inner.n_params = n_types;
    return sql__analyse_node(n->query, stmt, &inner, a->arena, &q->prepare.query);
}

struct error *sql__execute(struct analysis *a, const Node *node)
{
    const ExecuteStmt *n = (const ExecuteStmt *)node;
    struct query *q = a->q;
    struct scope s = {.clause = CLAUSE_EXECUTE};
    q->kind = QUERY_EXECUTE;
    q->tag = "EXECUTE";
    q->prepare.name = copy_string(a, n->name);
    q->prepare.n_args = list_length(n->params);
    q->prepare.args = ARENA_ARRAY(a->arena, struct expr *, MAX(q->prepare.n_args, 1));
    for (int i = 0; i < q->prepare.n_args; i++)
        TRY(sql__expr(a, &s, list_nth(n->params, i), &q->prepare.args[i]));
    return NULL;
}

/* ---- COPY
 * -----------------------------------------------------------------------------------------------------------
 */

static const char *string_arg(const DefElem *d)
{
    return d->arg && IsA(d->arg, String) ? strVal(d->arg) : "";
}

/* The number of a table's column, or of a column of the query's result; -1: there is none. */
static int copied_column(const struct query *q, const char *name)
{
    if (q->copy.table)
        return table_column(q->copy.table, name);
    for (int i = 0; i < q->copy.query->n_columns; i++) {
        if (strcmp(q->copy.query->columns[i].name, name) == 0)
            return i;
    }
    return -1;
}

/* Of a table only those that are copied may be named. */
static struct error *check_referenced(const struct query *q, const DefElem *d, int column,
                                      const char *name)
{
    char option[32] = {0};
    bool found = !q->copy.table;
    for (int i = 0; i < q->copy.n_columns; i++)
        found |= q->copy.columns[i] == column;
    for (size_t i = 0; d->defname[i] && i < sizeof(option) - 1; i++)
        option[i] = (char)toupper((unsigned char)d->defname[i]);
    return found ? NULL
                 : error_new("42P10", "%s column \"%s\" not referenced by COPY", option, name);
}

static struct error *force_columns(struct analysis *a, const DefElem *d, int *ret_n, int **ret)
{
    if (!d->arg || IsA(d->arg, A_Star)) {
        *ret_n = 1;
        *ret = ARENA_NEW(a->arena, int);
        (*ret)[0] = -1;
        return NULL;
    }
    if (!IsA(d->arg, List))
        return sql__at(a,
                       error_new("22023",
                                 "argument to option \"%s\" must be a list of column names",
                                 d->defname),
                       d->location);
    const List *names = (const List *)d->arg;
    *ret_n = list_length(names);
    *ret = ARENA_ARRAY(a->arena, int, *ret_n);
    for (int i = 0; i < *ret_n; i++) {
        const Node *n = list_nth(names, i);
        const char *name = IsA(n, String) ? strVal(n) : "";
        (*ret)[i] = copied_column(a->q, name);
        if ((*ret)[i] < 0)
            return sql__at(a, error_new(E_UNDEFINED_COLUMN, "column \"%s\" does not exist", name),
                           d->location);
        TRY(check_referenced(a->q, d, (*ret)[i], name));
    }
    return NULL;
}

static struct error *copy_header(struct analysis *a, const DefElem *d, struct copy_options *o)
{
    static const char *const words[] = {"true", "on", "false", "off", "match"};
    const char *word = d->arg && IsA(d->arg, String) ? strVal(d->arg) : NULL;
    size_t i = 0;
    while (word && i < ARRAY_LEN(words) && strcasecmp(words[i], word) != 0)
        i++;
    if (i == ARRAY_LEN(words) ||
        (d->arg && IsA(d->arg, Integer) && intVal(d->arg) != 0 && intVal(d->arg) != 1))
        return error_new(E_SYNTAX, "%s requires a Boolean value or \"match\"", d->defname);
    o->header_match = word && strcasecmp(word, "match") == 0;
    o->header = o->header_match || option_on(a, d);
    if (o->header_match && !a->q->copy.from)
        return error_new(E_UNSUPPORTED, "cannot use \"match\" with HEADER in COPY TO");
    return NULL;
}

static struct error *copy_format(const struct analysis *a, const DefElem *d, struct copy_options *o)
{
    const char *f = string_arg(d);
    if (strcmp(f, "text") == 0)
        o->format = COPY_TEXT;
    else if (strcmp(f, "csv") == 0)
        o->format = COPY_CSV;
    else if (strcmp(f, "binary") == 0)
        o->format = COPY_BINARY;
    else
        return sql__at(a, error_new("22023", "COPY format \"%s\" not recognized", f), d->location);
    return NULL;
}

/* As it was said; NULL: it was not. */
struct copy_texts {
    const char *delimiter, *quote, *escape;
};

static struct error *copy_option(struct analysis *a, const DefElem *d, struct copy_texts *said,
                                 struct copy_options *o)
{
    const char *name = d->defname;
    if (strcmp(name, "format") == 0)
        return copy_format(a, d, o);
    const struct {
        const char *name, **to;
    } texts[] = {{"delimiter", &said->delimiter},
                 {"quote", &said->quote},
                 {"escape", &said->escape},
                 {"null", &o->null}};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].to = copy_string(a, string_arg(d));
            return NULL;
        }
    if (strcmp(name, "header") == 0)
        return copy_header(a, d, o);
    if (strcmp(name, "force_quote") == 0)
        return force_columns(a, d, &o->n_force_quote, &o->force_quote);
    if (strcmp(name, "force_not_null") == 0)
        return force_columns(a, d, &o->n_force_not_null, &o->force_not_null);
    if (strcmp(name, "force_null") == 0)
        return force_columns(a, d, &o->n_force_null, &o->force_null);
    if (strcmp(name, "freeze") == 0)
        return NULL;
    if (strcmp(name, "encoding") == 0) {
        const char *e = string_arg(d);
        o->encoding = encoding_find(e, strlen(e));
        if (!o->encoding)
            return sql__at(a,
                           error_new("22023",
                                     "argument to option \"%s\" must be a valid encoding "
                                     "name",
                                     name),
                           d->location);
        if (encoding_is_utf8(o->encoding) || encoding_is_known(o->encoding))
            return NULL;
        return sql__unsupported(a, d->location, "Convert the data to UTF-8.",
                                "encoding \"%s\" is not supported", e);
    }
    return sql__at(a, error_new(E_SYNTAX, "option \"%s\" not recognized", name), d->location);
}

static bool is_long(const char *text)
{
    return text && strlen(text) != 1;
}

/* What does not go together, in PostgreSQL's order. */
static struct error *check_together(const struct query *q, const struct copy_texts *said)
{
    const struct copy_options *o = &q->copy.options;
    bool csv = o->format == COPY_CSV, binary = o->format == COPY_BINARY, from = q->copy.from;
    const char *delimiter = said->delimiter ? said->delimiter : csv ? "," : "\t";
    const char *null = o->null ? o->null : csv ? "" : "\\N";
    char quote = csv ? said->quote ? *said->quote : '"' : 0;
    static const char bad[] = "\\.abcdefghijklmnopqrstuvwxyz0123456789";
    const struct {
        bool wrong;
        const char *state, *message;
    } rules[] = {
        {binary && said->delimiter, E_SYNTAX, "cannot specify DELIMITER in BINARY mode"},
        {binary && o->null, E_SYNTAX, "cannot specify NULL in BINARY mode"},
        {is_long(delimiter), E_UNSUPPORTED, "COPY delimiter must be a single one-byte character"},
        {*delimiter == '\n' || *delimiter == '\r', "22023",
         "COPY delimiter cannot be newline or carriage return"},
        {strpbrk(null, "\r\n") != NULL, "22023",
         "COPY null representation cannot use newline or carriage return"},
        {!csv && *delimiter && strchr(bad, *delimiter), "22023", NULL},
        {binary && o->header, E_UNSUPPORTED, "cannot specify HEADER in BINARY mode"},
        {!csv && said->quote, E_UNSUPPORTED, "COPY quote available only in CSV mode"},
        {is_long(said->quote), E_UNSUPPORTED, "COPY quote must be a single one-byte character"},
        {csv && *delimiter == quote, "22023", "COPY delimiter and quote must be different"},
        {!csv && said->escape, E_UNSUPPORTED, "COPY escape available only in CSV mode"},
        {is_long(said->escape), E_UNSUPPORTED, "COPY escape must be a single one-byte character"},
        {!csv && o->n_force_quote, E_UNSUPPORTED, "COPY force quote available only in CSV mode"},
        {from && o->n_force_quote, E_UNSUPPORTED, "COPY force quote only available using COPY TO"},
        {!csv && o->n_force_not_null, E_UNSUPPORTED,
         "COPY force not null available only in CSV mode"},
        {!from && o->n_force_not_null, E_UNSUPPORTED,
         "COPY force not null only available using COPY FROM"},
        {!csv && o->n_force_null, E_UNSUPPORTED, "COPY force null available only in CSV mode"},
        {!from && o->n_force_null, E_UNSUPPORTED, "COPY force null only available using COPY FROM"},
        {strchr(null, *delimiter) != NULL, E_UNSUPPORTED,
         "COPY delimiter must not appear in the NULL specification"},
        {csv && strchr(null, quote), E_UNSUPPORTED,
         "CSV quote character must not appear in the NULL specification"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (rules[i].wrong)
            return rules[i].message
                       ? error_new(rules[i].state, "%s", rules[i].message)
                       : error_new(rules[i].state, "COPY delimiter cannot be \"%s\"", delimiter);
    return NULL;
}

static struct error *copy_options(struct analysis *a, const List *options)
{
    struct copy_options *o = &a->q->copy.options;
    struct copy_texts said = {0};
    for (int i = 0; i < list_length(options); i++) {
        const DefElem *d = list_nth(options, i);
        for (int k = 0; k < i; k++)
            if (strcmp(((const DefElem *)list_nth(options, k))->defname, d->defname) == 0)
                return sql__at(a, error_new(E_SYNTAX, "conflicting or redundant options"),
                               d->location);
        TRY(copy_option(a, d, &said, o));
    }
    TRY(check_together(a->q, &said));
    bool csv = o->format == COPY_CSV;
    o->delimiter = said.delimiter ? *said.delimiter : csv ? ',' : '\t';
    if (!o->null)
        o->null = csv ? "" : "\\N";
    o->quote = said.quote ? *said.quote : '"';
    o->escape = said.escape ? *said.escape : o->quote;
    return NULL;
}

/* A generated column's values are SQLite's. */
static struct error *refuse_generated(const struct column *c)
{
    if (!c->generated)
        return NULL;
    return error_detail(error_new("42P10", "column \"%s\" is a generated column", c->name),
                        "Generated columns cannot be used in COPY.");
}

static struct error *copy_columns(struct analysis *a, const CopyStmt *n, const struct table *t)
{
    struct query *q = a->q;
    int named = list_length(n->attlist);
    q->copy.columns = ARENA_ARRAY(a->arena, int, MAX(named, t->n_columns) + 1);
    for (int i = 0; i < t->n_columns && !n->attlist; i++)
        if (column_is_given(&t->columns[i]))
            q->copy.columns[q->copy.n_columns++] = i;
    for (int i = 0; i < named; i++) {
        const char *name = strVal(list_nth(n->attlist, i));
        int column = table_column(t, name);
        if (column < 0)
            return error_new(E_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist",
                             name, t->name);
        TRY(refuse_generated(&t->columns[column]));
        for (int k = 0; k < i; k++) {
            if (q->copy.columns[k] == column)
                return error_new(E_DUPLICATE_COLUMN, "column \"%s\" specified more than once",
                                 name);
        }
        q->copy.columns[q->copy.n_columns++] = column;
    }
    return NULL;
}

static void put_columns(const struct query *q, const struct table *t, struct buf *out)
{
    for (int i = 0; i < q->copy.n_columns; i++) {
        buf_puts(out, i ? ", " : "(");
        sql_quote(t->columns[q->copy.columns[i]].name, out);
    }
    buf_puts(out, ")");
}

/* COPY .. WHERE condition: an INSERT of the row's values, if the condition holds */
static char *filtered_insert(struct analysis *a, const struct table *t, const char *condition,
                             size_t *ret_head)
{
    const struct query *q = a->q;
    struct buf text = {0};
    buf_puts(&text, "INSERT INTO ");
    sql_quote(t->schema, &text);
    buf_puts(&text, ".");
    sql_quote(t->name, &text);
    put_columns(q, t, &text);
    buf_puts(&text, " OVERRIDING SYSTEM VALUE SELECT * FROM (SELECT ");
    for (int i = 0; i < q->copy.n_columns; i++) {
        const struct column *c = &t->columns[q->copy.columns[i]];
        buf_printf(&text, "%sCAST($%d AS %s)", i ? ", " : "", i + 1,
                   type_label(c->type, c->typmod, a->arena));
    }
    buf_puts(&text, ") AS ");
    sql_quote(t->name, &text);
    put_columns(q, t, &text);
    buf_puts(&text, " WHERE ");
    *ret_head = text.len;
    buf_puts(&text, condition);
    char *all = arena_strdup(a->arena, text.data);
    buf_done(&text);
    return all;
}

static struct error *copy_where(struct analysis *a, const struct table *t, const Node *where,
                                const struct sql_context *inner)
{
    size_t start, head;
    const char *condition = sql__where_text(a, sql__location(where), &start);
    const char *text = filtered_insert(a, t, condition, &head);
    struct error *e = sql_analyse_text(text, inner, a->arena, &a->q->copy.insert);
    int characters = 0;
    for (size_t i = 0; i < head; i++)
        characters += ((unsigned char)text[i] & 0xc0) != 0x80;
    if (e && e->position > characters)
        e->position += sql__position(a->script, (int)start) - characters - 1;
    return e;
}

static struct error *copy_in(struct analysis *a, const struct table *t, const Node *where)
{
    struct query *q = a->q;
    uint32_t *types = ARENA_ARRAY(a->arena, uint32_t, MAX(q->copy.n_columns, 1));
    for (int i = 0; i < q->copy.n_columns; i++)
        types[i] = t->columns[q->copy.columns[i]].type;
    struct sql_context inner = *a->ctx;
    inner.no_params = inner.lifted = false;
    inner.param_types = types;
    inner.n_params = q->copy.n_columns;
    q->writes = true;
    if (where)
        return copy_where(a, t, where, &inner);
    return sql__analyse_copy(t, q->copy.columns, q->copy.n_columns, &inner, a, &q->copy.insert);
}

/* SELECT columns FROM table, as PostgreSQL text */
static const char *table_query(struct analysis *a, const struct table *t)
{
    const struct query *q = a->q;
    struct buf text = {0};
    buf_puts(&text, "SELECT ");
    for (int i = 0; i < q->copy.n_columns; i++) {
        if (i)
            buf_puts(&text, ", ");
        sql_quote(t->columns[q->copy.columns[i]].name, &text);
    }
    buf_puts(&text, " FROM ");
    sql_quote(t->schema, &text);
    buf_puts(&text, ".");
    sql_quote(t->name, &text);
    const char *out = arena_strdup(a->arena, text.data);
    buf_done(&text);
    return out;
}

static struct error *copy_out(struct analysis *a, const CopyStmt *n, const struct sql_stmt *stmt)
{
    struct query *q = a->q;
    if (q->copy.table) {
        q->copy.query_text = table_query(a, q->copy.table);
        return sql_analyse_text(q->copy.query_text, a->ctx, a->arena, &q->copy.query);
    }
    if (IsA(n->query, SelectStmt) && ((const SelectStmt *)n->query)->intoClause)
        return error_new(E_UNSUPPORTED, "COPY (SELECT INTO) is not supported");
    if (IsA(n->query, MergeStmt))
        return error_new(E_UNSUPPORTED, "MERGE not supported in COPY");
    TRY(sql__analyse_node(n->query, stmt, a->ctx, a->arena, &q->copy.query));
    q->literals_matter |= q->copy.query->literals_matter;
    if (q->copy.query->current_of)
        return sql__unsupported(a, -1, "Use the statement by itself.",
                                "WHERE CURRENT OF in COPY is not supported");
    if (!q->copy.query->returns)
        return sql__unsupported(a, -1, "Add a RETURNING clause, or copy a SELECT.",
                                "COPY query must have a RETURNING clause");
    q->writes = q->copy.query->writes;
    const char *p = a->script->text + stmt->offset, *end = p + stmt->len, *start;
    struct token t;
    p = sql__lex(p, end, &t); /* COPY */
    start = sql__lex(p, end, &t);
    const char *close = skip_parentheses(p, end);
    q->copy.query_text = arena_strndup(a->arena, start, (size_t)(close - 1 - start));
    return NULL;
}

struct error *sql__copy(struct analysis *a, const CopyStmt *n, const struct sql_stmt *stmt)
{
    struct query *q = a->q;
    q->kind = QUERY_COPY;
    q->tag = "COPY";
    q->counts_rows = true;
    q->copy.from = n->is_from;
    if (n->is_program || n->filename)
        return sql__unsupported(a, -1,
                                "Use COPY ... FROM STDIN or TO STDOUT; in psql, \\copy reads and "
                                "writes files of the client.",
                                "COPY with a file or program of the server is not supported");
    if (n->relation) {
        const struct object *view = NULL;
        TRY(sql__find_named(a, n->relation, &q->copy.table, &view));
        if (view)
            return error_hint(error_new("42809", "cannot copy %s view \"%s\"",
                                        n->is_from ? "to" : "from", n->relation->relname),
                              n->is_from ? "Insert into the view."
                                         : "Try the COPY (SELECT ...) TO variant.");
        if (n->is_from && q->copy.table->query)
            return error_new("42809", "cannot copy to materialized view \"%s\"",
                             q->copy.table->name);
        if (n->is_from && q->copy.table->id == 0)
            return sql__at(a,
                           error_new("42501", "permission denied for system table \"%s\"",
                                     q->copy.table->name),
                           n->relation->location);
        TRY(copy_columns(a, n, q->copy.table));
    }
    TRY(n->is_from ? copy_in(a, q->copy.table, n->whereClause) : copy_out(a, n, stmt));
    return copy_options(a, n->options);
}

/* ---- maintenance, and what there is not
 * ------------------------------------------------------------------------------ */

static struct error *check_relations(struct analysis *a, const List *relations, bool vacuum)
{
    for (int i = 0; i < list_length(relations); i++) {
        const RangeVar *rv = vacuum ? ((const VacuumRelation *)list_nth(relations, i))->relation
                                    : list_nth(relations, i);
        const struct table *t;
        if (!rv)
            continue;
        const struct object *view = NULL;
        TRY(vacuum ? sql__find_relation(a, rv, &t) : sql__find_named(a, rv, &t, &view));
        if (view)
            continue;
        const List *columns =
            vacuum ? ((const VacuumRelation *)list_nth(relations, i))->va_cols : NIL;
        for (int k = 0; k < list_length(columns); k++) {
            const char *name = strVal(list_nth(columns, k));
            if (table_column(t, name) < 0)
                return error_new(E_UNDEFINED_COLUMN,
                                 "column \"%s\" of relation \"%s\" does not exist", name, t->name);
            for (int before = 0; before < k; before++)
                if (strcmp(strVal(list_nth(columns, before)), name) == 0)
                    return error_new(E_DUPLICATE_COLUMN,
                                     "column \"%s\" of relation \"%s\" appears more than once",
                                     name, t->name);
        }
    }
    return NULL;
}

static struct error *maintenance(struct analysis *a, const char *tag, const List *relations,
                                 bool vacuum)
{
    a->q->kind = QUERY_MAINTENANCE;
    a->q->tag = tag;
    return check_relations(a, relations, vacuum);
}

/* ---- LOCK TABLE ------------------------------------------------------------------------------ */

struct to_lock {
    struct list tables, views; /* views: that were looked at */
};

static void lock_view(struct analysis *a, const struct object *view, struct to_lock *l)
{
    for (int i = 0; i < l->views.n; i++)
        if (l->views.items[i] == view)
            return;
    sql__push(a->arena, &l->views, (void *)(uintptr_t)view);
    for (int i = 0; i < view->n_uses; i++) {
        const struct object *o = catalog_object_by_id(a->ctx->view, view->uses[i].id);
        const struct table *t = o ? NULL : catalog_table_by_id(a->ctx->view, view->uses[i].id);
        if (o && o->kind == OBJ_VIEW)
            lock_view(a, o, l);
        if (t && !t->query && !table_is_temporary(t))
            sql__push(a->arena, &l->tables, (void *)(uintptr_t)t);
    }
}

static struct error *cannot_lock(const RangeVar *rv, const char *kinds)
{
    return error_detail(error_new("42809", "cannot lock relation \"%s\"", rv->relname),
                        "This operation is not supported for %s.", kinds);
}

static struct error *lock_relation(struct analysis *a, const RangeVar *rv, bool strong,
                                   struct to_lock *l)
{
    const struct object *view = NULL;
    const struct table *t = sql__lookup_table(a, rv);
    const struct index *x;
    if (!t && sql__lookup_sequence(a, rv))
        return cannot_lock(rv, "sequences");
    if (!t && (sql__lookup_index(a, rv, &x) || sql__lookup_key(a, rv)))
        return cannot_lock(rv, "indexes");
    TRY(sql__find_named(a, rv, &t, &view));
    if (t && t->query)
        return cannot_lock(rv, "materialized views");
    if (!strong)
        return NULL;
    if (view)
        lock_view(a, view, l);
    else if (!t->id)
        return sql__unsupported(a, -1, "An advisory lock keeps out whoever takes it, too.",
                                "cannot lock system table \"%s\"", rv->relname);
    else if (!table_is_temporary(t))
        sql__push(a->arena, &l->tables, (void *)(uintptr_t)t);
    return NULL;
}

/* The weaker modes keep out only who changes a table's shape. That waits for nobody, and who has
 * begun to read or write goes on with the shape as it was, or is told. */
static struct error *lock_tables(struct analysis *a, const LockStmt *n)
{
    enum { ROW_EXCLUSIVE = 3 };
    struct to_lock l = {0};
    a->q->kind = QUERY_MAINTENANCE;
    a->q->tag = "LOCK TABLE";
    a->q->nowait = n->nowait ? "" : NULL;
    for (int i = 0; i < list_length(n->relations); i++)
        TRY(lock_relation(a, list_nth(n->relations, i), n->mode > ROW_EXCLUSIVE, &l));
    a->q->lock.n = l.tables.n;
    a->q->lock.tables = (const struct table **)l.tables.items;
    return NULL;
}

/* REINDEX: SQLite's indexes don't grow beyond what they hold, and are right by construction. */
static struct error *reindex(struct analysis *a, const ReindexStmt *n)
{
    bool all = n->kind == REINDEX_OBJECT_DATABASE || n->kind == REINDEX_OBJECT_SYSTEM;
    bool concurrently = false;
    const struct table *t;
    for (int i = 0; i < list_length(n->params); i++) {
        const DefElem *d = list_nth(n->params, i);
        concurrently |= strcmp(d->defname, "concurrently") == 0;
        if (strcmp(d->defname, "concurrently") != 0 && strcmp(d->defname, "verbose") != 0 &&
            strcmp(d->defname, "tablespace") != 0)
            return sql__at(a, error_new(E_SYNTAX, "unrecognized REINDEX option \"%s\"", d->defname),
                           d->location);
    }
    TRY(maintenance(a, "REINDEX", NIL, false));
    if (concurrently)
        a->q->alone = "REINDEX CONCURRENTLY";
    else if (all || n->kind == REINDEX_OBJECT_SCHEMA)
        a->q->alone = n->kind == REINDEX_OBJECT_SCHEMA     ? "REINDEX SCHEMA"
                      : n->kind == REINDEX_OBJECT_DATABASE ? "REINDEX DATABASE"
                                                           : "REINDEX SYSTEM";
    if (n->kind == REINDEX_OBJECT_INDEX)
        return sql__find_index(a, n->relation, false, &t);
    if (n->kind == REINDEX_OBJECT_TABLE)
        return sql__find_relation(a, n->relation, &t);
    if (n->kind == REINDEX_OBJECT_SCHEMA)
        return catalog_schema(a->ctx->view, n->name) ? NULL : sql__no_schema(n->name);
    if (strcmp(n->name, a->path->database) != 0)
        return error_new(E_UNSUPPORTED, "can only reindex the currently open database");
    return NULL;
}

/* What the name means, and whether it means anything, the executor knows. */
static struct error *call(struct analysis *a, const Node *node)
{
    const FuncCall *f = ((const CallStmt *)node)->funccall;
    struct query *q = a->q;
    q->kind = QUERY_CALL;
    q->tag = "CALL";
    q->call.procedure = copy_string(a, strVal(llast(f->funcname)));
    q->call.n = list_length(f->args);
    q->call.args = ARENA_ARRAY(a->arena, const char *, q->call.n + 1);
    for (int i = 0; i < q->call.n; i++) {
        q->call.args[i] = const_text(a, list_nth(f->args, i));
        if (!q->call.args[i])
            return sql__unsupported(a, f->location, "Write the values themselves.",
                                    "CALL with arguments that are no constants is not supported");
    }
    return NULL;
}

static struct error *discard(struct analysis *a, const Node *node)
{
    static const struct {
        DiscardMode mode;
        const char *what, *tag;
    } modes[] = {{DISCARD_ALL, "ALL", "DISCARD ALL"},
                 {DISCARD_PLANS, "PLANS", "DISCARD PLANS"},
                 {DISCARD_SEQUENCES, "SEQUENCES", "DISCARD SEQUENCES"},
                 {DISCARD_TEMP, "TEMP", "DISCARD TEMP"}};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (modes[i].mode != ((const DiscardStmt *)node)->target)
            continue;
        a->q->discard = modes[i].what;
        a->q->tag = modes[i].tag;
    }
    a->q->kind = QUERY_DISCARD;
    return NULL;
}

static struct error *deallocate(struct analysis *a, const Node *node)
{
    const DeallocateStmt *n = (const DeallocateStmt *)node;
    a->q->kind = QUERY_DEALLOCATE;
    a->q->tag = n->name ? "DEALLOCATE" : "DEALLOCATE ALL";
    a->q->prepare.name = copy_string(a, n->name);
    return NULL;
}

/* ---- cursors, notifications --------------------------------------------------------------- */

/* What PostgreSQL refuses, too. */
static struct error *check_cursor(const DeclareCursorStmt *n, const struct query *inner)
{
    bool hold = n->options & CURSOR_OPT_HOLD, scroll = n->options & CURSOR_OPT_SCROLL;
    if (scroll && (n->options & CURSOR_OPT_NO_SCROLL))
        return error_new("42P11", "cannot specify both SCROLL and NO SCROLL");
    if ((n->options & CURSOR_OPT_ASENSITIVE) && (n->options & CURSOR_OPT_INSENSITIVE))
        return error_new("42P11", "cannot specify both INSENSITIVE and ASENSITIVE");
    if (inner->kind != QUERY_SELECT || inner->writes)
        return error_new(E_UNSUPPORTED, "DECLARE CURSOR must not contain data-modifying statements "
                                        "in WITH");
    if (!inner->locks)
        return NULL;
    if (hold)
        return error_detail(
            error_new(E_UNSUPPORTED, "DECLARE CURSOR WITH HOLD ... FOR UPDATE is not supported"),
            "Holdable cursors must be READ ONLY.");
    if (scroll)
        return error_detail(
            error_new(E_UNSUPPORTED, "DECLARE SCROLL CURSOR ... FOR UPDATE is not supported"),
            "Scrollable cursors must be READ ONLY.");
    return NULL;
}

/* The query stands behind the first FOR. */
static const char *declared_text(const struct analysis *a, const struct sql_stmt *stmt)
{
    const char *p = a->script->text + stmt->offset, *end = p + stmt->len;
    struct token t;
    sql__lex(sql__lex(p, end, &t), end, &t);
    p = sql__lex(sql__lex(p, end, &t), end, &t); /* DECLARE, the name: which may be "for" */
    do {
        p = sql__lex(p, end, &t);
    } while (!sql__is_word(&t, "for") && t.kind != TOKEN_END);
    while (p < end && strchr(" \t\r\n\f", *p))
        p++;
    return p;
}

/* ---- the rows of a cursor, for WHERE CURRENT OF ------------------------------------------- */

struct cursor_rows {
    const struct rte *tables[8];
    int n;
    bool other; /* something that is no table, or too many */
};

static void cursor_tables(const struct from *f, struct cursor_rows *ret)
{
    const struct rte *r = f->rte;
    if (!r) {
        cursor_tables(f->left, ret);
        cursor_tables(f->right, ret);
        return;
    }
    bool twice = false;
    for (int i = 0; i < ret->n; i++)
        twice |= strcmp(ret->tables[i]->name, r->name) == 0;
    if (r->kind != RTE_TABLE || !r->table->id || !sql_rowid_name(r->table) || twice ||
        ret->n == (int)ARRAY_LEN(ret->tables))
        ret->other = true;
    else
        ret->tables[ret->n++] = r;
}

/* Whose rows are rows of tables: of one, or with FOR UPDATE of several. */
static bool has_rows(const struct query *q, struct cursor_rows *ret)
{
    const struct select *s = q->select;
    if (s->kind != SELECT_PLAIN || s->grouped || s->distinct || s->n_distinct_on || !s->n_targets)
        return false;
    for (int i = 0; i < s->n_from; i++)
        cursor_tables(s->from[i], ret);
    return ret->n && (s->for_update || (ret->n == 1 && !ret->other));
}

/* The query, which is the text from `p` on, with the ctids of its tables behind its columns. NULL:
 * its FROM is not found. */
static const char *with_rows(struct analysis *a, const SelectStmt *n, const char *p,
                             const char *text, const struct cursor_rows *rows)
{
    const char *end, *from = NULL;
    int location = sql__leftmost(linitial(n->fromClause)), depth = 0;
    struct token t;
    if (location < 0 || a->script->parsed != a->script->text)
        return NULL;
    end = a->script->text + location;
    for (const char *at = p; at < end;) {
        at = sql__lex(at, a->script->text + a->script->len, &t);
        if (t.kind == TOKEN_PUNCTUATION)
            depth += *t.start == '(' ? 1 : *t.start == ')' ? -1 : 0;
        if (depth == 0 && sql__is_word(&t, "from") && t.start < end)
            from = t.start;
    }
    if (!from)
        return NULL;
    struct buf b = {0};
    buf_append(&b, p, (size_t)(from - p));
    for (int i = 0; i < rows->n; i++) {
        buf_puts(&b, ", ");
        sql_quote(rows->tables[i]->name, &b);
        buf_puts(&b, ".ctid ");
    }
    buf_puts(&b, text + (from - p));
    const char *ret = arena_strndup(a->arena, b.data, b.len);
    buf_done(&b);
    return ret;
}

static struct error *add_rows(struct analysis *a, const SelectStmt *n, const char *start)
{
    struct query *q = a->q, *with;
    struct cursor_rows rows = {.n = 0};
    const char *text =
        has_rows(q->cursor.query, &rows) ? with_rows(a, n, start, q->cursor.text, &rows) : NULL;
    if (!text)
        return NULL;
    struct error *e = sql_analyse_text(text, a->ctx, a->arena, &with);
    if (e) { /* it was analysed without: that will do */
        error_free(e);
        return NULL;
    }
    q->cursor.text = text;
    q->cursor.query = with;
    q->cursor.n_rows_of = rows.n;
    q->cursor.rows_of = ARENA_ARRAY(a->arena, const struct table *, rows.n);
    for (int i = 0; i < rows.n; i++)
        q->cursor.rows_of[i] = rows.tables[i]->table;
    return NULL;
}

static struct error *declare(struct analysis *a, const Node *node, const struct sql_stmt *stmt)
{
    const DeclareCursorStmt *n = (const DeclareCursorStmt *)node;
    struct query *q = a->q;
    q->kind = QUERY_DECLARE;
    q->tag = "DECLARE CURSOR";
    q->cursor.name = copy_string(a, n->portalname);
    q->cursor.hold = n->options & CURSOR_OPT_HOLD;
    q->cursor.no_scroll = n->options & CURSOR_OPT_NO_SCROLL;
    q->cursor.binary = n->options & CURSOR_OPT_BINARY;
    const char *text = declared_text(a, stmt), *end = a->script->text + stmt->offset + stmt->len;
    q->cursor.text = arena_strndup(a->arena, text, (size_t)(end - text));
    if (IsA(n->query, SelectStmt))
        TRY(sql__no_into(a, (const SelectStmt *)n->query));
    TRY(sql__analyse_node(n->query, stmt, a->ctx, a->arena, &q->cursor.query));
    q->literals_matter |= q->cursor.query->literals_matter;
    TRY(adopt_params(a, q->cursor.query));
    q->locks = q->cursor.query->locks;
    TRY(check_cursor(n, q->cursor.query));
    return add_rows(a, (const SelectStmt *)n->query, text);
}

static struct error *fetch(struct analysis *a, const Node *node)
{
    const FetchStmt *n = (const FetchStmt *)node;
    static const enum fetch_direction directions[] = {[FETCH_FORWARD] = FETCH_NEXT,
                                                      [FETCH_BACKWARD] = FETCH_PRIOR,
                                                      [FETCH_ABSOLUTE] = FETCH_AT,
                                                      [FETCH_RELATIVE] = FETCH_FROM_HERE};
    struct query *q = a->q;
    q->kind = QUERY_FETCH;
    q->tag = n->ismove ? "MOVE" : "FETCH";
    q->counts_rows = true;
    q->fetch.cursor = copy_string(a, n->portalname);
    q->fetch.direction = directions[n->direction];
    q->fetch.count = n->howMany == FETCH_ALL ? FETCH_EVERYTHING : n->howMany;
    q->fetch.move = n->ismove;
    return NULL;
}

static struct error *close_cursor(struct analysis *a, const Node *node)
{
    const ClosePortalStmt *n = (const ClosePortalStmt *)node;
    a->q->kind = QUERY_CLOSE;
    a->q->tag = n->portalname ? "CLOSE CURSOR" : "CLOSE CURSOR ALL";
    a->q->cursor.name = copy_string(a, n->portalname);
    return NULL;
}

static struct error *notify(struct analysis *a, enum query_kind kind, const char *tag,
                            const char *channel, const char *payload)
{
    a->q->kind = kind;
    a->q->tag = tag;
    a->q->notify.channel = copy_string(a, channel);
    a->q->notify.payload = payload ? copy_string(a, payload) : "";
    return NULL;
}

static const struct {
    NodeTag tag;
    const char *what, *hint;
} not_supported[] = {
    {T_AlterSeqStmt, "ALTER SEQUENCE", "Keep a counter in a table."},
    {T_CreateFunctionStmt, "CREATE FUNCTION", "Run the logic in the client."},
    {T_CreateTrigStmt, "CREATE TRIGGER", "Run the logic in the client, in the same transaction."},
    {T_CreateRoleStmt, "CREATE ROLE", "Any user name is accepted from this machine."},
    {T_AlterRoleStmt, "ALTER ROLE", "Any user name is accepted from this machine."},
    {T_GrantStmt, "GRANT and REVOKE", "Any user name is accepted from this machine."},
    {T_GrantRoleStmt, "GRANT and REVOKE", "Any user name is accepted from this machine."},
    {T_RenameStmt, "ALTER ... RENAME", "Create the table anew and INSERT INTO ... SELECT."},
    {T_AlterObjectSchemaStmt, "ALTER ... SET SCHEMA", "All tables are in schema public."},
    {T_DoStmt, "DO", "Run the logic in the client."},
    {T_MergeStmt, "MERGE", "Use INSERT ... ON CONFLICT."},
    {T_DefineStmt, "CREATE TYPE, AGGREGATE and OPERATOR", "Use the built-in ones."},
    {T_RuleStmt, "CREATE RULE", "Run the logic in the client."},
    {T_ClusterStmt, "CLUSTER", "Rows lie in the order of the integer primary key."},
    {T_CreateStatsStmt, "CREATE STATISTICS", "Create an index."},
    {T_CreateTableSpaceStmt, "CREATE TABLESPACE",
     "Start a server with its data on the other disk."},
    {T_AlterSystemStmt, "ALTER SYSTEM", "Use the configuration file."},
};

static struct error *refuse(struct analysis *a, const Node *n)
{
    for (size_t i = 0; i < ARRAY_LEN(not_supported); i++) {
        if (not_supported[i].tag == nodeTag(n))
            return sql__unsupported(a, -1, not_supported[i].hint, "%s is not supported",
                                    not_supported[i].what);
    }
    return sql__unsupported(a, -1, "See docs/compatibility.md for what there is.",
                            "this kind of statement is not supported");
}

struct error *sql__command(struct analysis *a, const Node *n, const struct sql_stmt *stmt)
{
    switch (nodeTag(n)) {
    case T_TransactionStmt:
        return transaction(a, n);
    case T_VariableSetStmt:
        return set(a, n);
    case T_VariableShowStmt:
        return show(a, n);
    case T_ExplainStmt:
        return explain(a, n, stmt);
    case T_PrepareStmt:
        return prepare(a, n, stmt);
    case T_ExecuteStmt:
        return sql__execute(a, n);
    case T_DeallocateStmt:
        return deallocate(a, n);
    case T_DiscardStmt:
        return discard(a, n);
    case T_DeclareCursorStmt:
        return declare(a, n, stmt);
    case T_FetchStmt:
        return fetch(a, n);
    case T_ClosePortalStmt:
        return close_cursor(a, n);
    case T_ListenStmt:
        return notify(a, QUERY_LISTEN, "LISTEN", ((const ListenStmt *)n)->conditionname, NULL);
    case T_UnlistenStmt:
        return notify(a, QUERY_UNLISTEN, "UNLISTEN", ((const UnlistenStmt *)n)->conditionname,
                      NULL);
    case T_NotifyStmt:
        return notify(a, QUERY_NOTIFY, "NOTIFY", ((const NotifyStmt *)n)->conditionname,
                      ((const NotifyStmt *)n)->payload);
    case T_VacuumStmt: {
        const VacuumStmt *v = (const VacuumStmt *)n;
        a->q->alone = v->is_vacuumcmd ? "VACUUM" : NULL;
        TRY(sql__check_vacuum(a, v));
        return maintenance(a, v->is_vacuumcmd ? "VACUUM" : "ANALYZE", v->rels, true);
    }
    case T_ConstraintsSetStmt:
        return sql__set_constraints(a, (const ConstraintsSetStmt *)n);
    case T_ReindexStmt:
        return reindex(a, (const ReindexStmt *)n);
    case T_CallStmt:
        return call(a, n);
    case T_LockStmt:
        return lock_tables(a, (const LockStmt *)n);
    case T_CheckPointStmt:
        return maintenance(a, "CHECKPOINT", NIL, false);
    default:
        return refuse(a, n);
    }
}
