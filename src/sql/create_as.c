/*
 * CREATE TABLE AS and SELECT INTO.
 *
 * The statement is analysed as a CREATE TABLE whose columns are the query's, together with the text
 * of an INSERT that fills the table. Whoever runs it makes the table and runs the INSERT within one
 * transaction.
 */
#include "sql_int.h"

#include "lex.h"

/* ---- the text of the query ------------------------------------------------------------------ */

static const char *statement_end(const struct analysis *a, const struct sql_stmt *stmt)
{
    const char *text = a->script->parsed;
    return text == a->script->text ? text + stmt->offset + stmt->len : text + strlen(text);
}

static const char *statement_start(const struct analysis *a, const struct sql_stmt *stmt)
{
    const char *text = a->script->parsed;
    return text == a->script->text ? text + stmt->offset : text;
}

/* After the first word `word` outside of parentheses. */
static const char *after_word(const char *p, const char *end, const char *word,
                              const char **ret_start)
{
    struct token t;
    int depth = 0;
    do {
        p = sql__lex(p, end, &t);
        if (t.kind == TOKEN_PUNCTUATION)
            depth += *t.start == '(' ? 1 : *t.start == ')' ? -1 : 0;
    } while (t.kind != TOKEN_END && !(depth == 0 && sql__is_word(&t, word)));
    *ret_start = t.start;
    return p;
}

/* Without WITH [NO] DATA and a semicolon at its end. */
static size_t trimmed(const char *p, const char *end)
{
    const char *start = p, *stop = end, *with = NULL;
    struct token t;
    int words = 0; /* of WITH NO DATA, in sequence */
    for (;;) {
        const char *next = sql__lex(p, end, &t);
        if (t.kind == TOKEN_END || (t.kind == TOKEN_PUNCTUATION && *t.start == ';'))
            break;
        if (sql__is_word(&t, "with")) {
            with = p;
            words = 1;
        } else if (words && (sql__is_word(&t, "no") || sql__is_word(&t, "data"))) {
            words = sql__is_word(&t, "data") ? 3 : 2;
        } else {
            words = 0;
        }
        p = stop = next;
    }
    return (size_t)((words == 3 ? with : stop) - start);
}

static const char *insert_text(struct analysis *a, const struct table *t, const char *head,
                               size_t head_len, const char *rest, size_t rest_len)
{
    struct buf b = {0};
    buf_puts(&b, "INSERT INTO ");
    sql_quote(t->schema, &b);
    buf_puts(&b, ".");
    sql_quote(t->name, &b);
    buf_puts(&b, " ");
    buf_append(&b, head, head_len);
    buf_puts(&b, " ");
    buf_append(&b, rest, rest_len);
    const char *text = arena_strdup(a->arena, b.data);
    buf_done(&b);
    return text;
}

static const char *about(struct analysis *a, const struct table *t, const char *before)
{
    struct buf b = {0};
    buf_puts(&b, before);
    sql_quote(t->schema, &b);
    buf_puts(&b, ".");
    sql_quote(t->name, &b);
    const char *text = arena_strdup(a->arena, b.data);
    buf_done(&b);
    return text;
}

/* A materialized view from itself: see sql_context.refreshes. */
static const char *fill_text(struct analysis *a, const struct table *t)
{
    return arena_printf(a->arena, "%s%s", about(a, t, "INSERT INTO "), about(a, t, " TABLE "));
}

/* ---- the table ------------------------------------------------------------------------------ */

static struct error *add_columns(struct analysis *a, const IntoClause *into,
                                 const struct select *sel, struct table *t)
{
    int named = list_length(into->colNames);
    if (named > sel->n_targets)
        return error_new(E_SYNTAX, "too many column names were specified");
    t->columns = ARENA_ARRAY(a->arena, struct column, sel->n_targets + 1);
    t->n_columns = sel->n_targets;
    for (int i = 0; i < sel->n_targets; i++) {
        const struct target *target = &sel->targets[i];
        const char *name = i < named ? strVal(list_nth(into->colNames, i)) : target->name;
        t->columns[i] = (struct column){.name = arena_strdup(a->arena, name),
                                        .type = target->expr->type,
                                        .typmod = target->expr->typmod,
                                        .domain = target->expr->domain};
        TRY(sql__check_result_type(a, name, target->expr->type));
        for (int k = 0; k < i; k++)
            if (strcasecmp(t->columns[k].name, name) == 0)
                return error_new(E_DUPLICATE_COLUMN, "column \"%s\" specified more than once",
                                 name);
    }
    return NULL;
}

/* The columns of a materialized view, and its SELECT, which stays. */
static struct error *materialize(struct analysis *a, const IntoClause *into,
                                 const SelectStmt *query, const char *text, const char *end)
{
    size_t start = (size_t)(text - a->script->parsed);
    struct table *t = a->q->create_table.table;
    struct select *sel;
    t->query = sql__new_object(a, OBJ_VIEW, t->schema, t->name);
    TRY(sql__view_query(a, query, start, start + trimmed(text, end), t->query, &sel));
    TRY(add_columns(a, into, sel, t));
    TRY(sql__check_view(a, t->query, t));
    t->unpopulated = into->skipData;
    a->view = NULL;
    return NULL;
}

static struct error *plain_columns(struct analysis *a, const IntoClause *into,
                                   const SelectStmt *query)
{
    struct select *sel;
    TRY(sql__select(a, NULL, query, &sel));
    for (int i = 0; i < sel->n_targets; i++)
        if (sel->targets[i].expr->type == OID_UNKNOWN)
            TRY(sql__coerce_select_column(a, sel, i, OID_TEXT));
    return add_columns(a, into, sel, a->q->create_table.table);
}

/* view: the query's text, up to `end`, of a materialized view; NULL: it is a table */
static struct error *create(struct analysis *a, const IntoClause *into, const SelectStmt *query,
                            bool if_not_exists, const char *view, const char *end)
{
    struct query *q = a->q;
    q->kind = QUERY_CREATE_TABLE;
    q->tag = "CREATE TABLE AS";
    q->writes = true;
    TRY(sql__begin_table(a, into->rel, into->options, into->onCommit, if_not_exists));
    if (q->create_table.exists)
        return NULL;
    TRY(view ? materialize(a, into, query, view, end) : plain_columns(a, into, query));
    TRY(sql__end_table(a));
    a->rtes.n = 0;
    a->hidden.n = 0;
    a->selects.n = 0;
    return NULL;
}

/* What is executed only the session knows: it makes a CREATE TABLE AS of its query. */
static struct error *as_execute(struct analysis *a, const CreateTableAsStmt *n, const char *start,
                                const char *query)
{
    TRY(sql__execute(a, n->query));
    a->q->prepare.into = arena_strndup(a->arena, start, (size_t)(query - start));
    a->q->prepare.no_data = n->into->skipData;
    return NULL;
}

struct error *sql__create_table_as(struct analysis *a, const CreateTableAsStmt *n,
                                   const struct sql_stmt *stmt)
{
    struct query *q = a->q;
    const char *start, *end = statement_end(a, stmt);
    const char *text = after_word(statement_start(a, stmt), end, "as", &start);
    if (!IsA(n->query, SelectStmt))
        return as_execute(a, n, statement_start(a, stmt), text);
    bool view = n->objtype == OBJECT_MATVIEW;
    TRY(create(a, n->into, (const SelectStmt *)n->query, n->if_not_exists, view ? text : NULL,
               end));
    if (view)
        q->tag = "CREATE MATERIALIZED VIEW";
    if (q->create_table.exists || n->into->skipData)
        return NULL;
    if (view) {
        q->create_table.fill = fill_text(a, q->create_table.table);
        return NULL;
    }
    q->create_table.fill = insert_text(a, q->create_table.table, text, trimmed(text, end), "", 0);
    return NULL;
}

struct error *sql__select_into(struct analysis *a, const SelectStmt *n, const struct sql_stmt *stmt)
{
    struct query *q = a->q;
    SelectStmt plain = *n;
    const char *start = statement_start(a, stmt), *end = statement_end(a, stmt), *into, *rest;
    plain.intoClause = NULL;
    TRY(create(a, n->intoClause, &plain, false, NULL, NULL));
    after_word(start, end, "into", &into);
    rest = a->script->parsed + sql__end_of_name(a, n->intoClause->rel->location);
    q->create_table.fill = insert_text(a, q->create_table.table, start, (size_t)(into - start),
                                       rest, trimmed(rest, end));
    return NULL;
}

/* ---- REFRESH ----------------------------------------------------------------------------------
 */

struct error *sql__not_materialized(const struct table *t)
{
    return t->query ? NULL : error_new("42809", "\"%s\" is not a materialized view", t->name);
}

/* Without a unique index PostgreSQL could not tell which rows changed. */
static struct error *check_concurrently(struct analysis *a, const struct table *t)
{
    if (t->unpopulated)
        return error_new(E_UNSUPPORTED,
                         "CONCURRENTLY cannot be used when the materialized view is not "
                         "populated");
    for (int i = 0; i < t->n_indexes; i++)
        if (t->indexes[i].unique && !t->indexes[i].where_sql && !t->indexes[i].n_expressions)
            return NULL;
    return error_hint(
        error_new("55000", "cannot refresh materialized view \"%s\" concurrently",
                  arena_printf(a->arena, "%s.%s", t->schema, t->name)),
        "Create a unique index with no WHERE clause on one or more columns of the materialized "
        "view.");
}

/* Others see the old rows until it commits, CONCURRENTLY or not. */
struct error *sql__refresh(struct analysis *a, const RefreshMatViewStmt *n)
{
    struct query *q = a->q;
    const struct table *t;
    q->kind = QUERY_REFRESH;
    q->tag = "REFRESH MATERIALIZED VIEW";
    q->writes = true;
    if (n->concurrent && n->skipData)
        return error_new(E_SYNTAX, "CONCURRENTLY and WITH NO DATA options cannot be used together");
    TRY(sql__find_relation(a, n->relation, &t));
    TRY(sql__not_materialized(t));
    if (n->concurrent)
        TRY(check_concurrently(a, t));
    q->alter_table.table = t;
    if (t->unpopulated != n->skipData) {
        q->alter_table.next = table_copy(t, a->arena);
        q->alter_table.next->unpopulated = n->skipData;
    }
    q->alter_table.refresh_sql[0] = about(a, t, "DELETE FROM ");
    q->alter_table.refresh_sql[1] = n->skipData ? NULL : fill_text(a, t);
    return NULL;
}
