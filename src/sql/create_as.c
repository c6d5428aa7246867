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
        const struct type *type = type_by_oid(target->expr->type);
        const char *name = i < named ? strVal(list_nth(into->colNames, i)) : target->name;
        t->columns[i] = (struct column){.name = arena_strdup(a->arena, name),
                                        .type = target->expr->type,
                                        .typmod = target->expr->typmod};
        if (!type || !type->column)
            return sql__unsupported(a, -1, "Cast it to another type.",
                                    "a column of type %s is not supported",
                                    sql__type(a, target->expr->type));
        for (int k = 0; k < i; k++)
            if (strcasecmp(t->columns[k].name, name) == 0)
                return error_new(E_DUPLICATE_COLUMN, "column \"%s\" specified more than once",
                                 name);
    }
    return NULL;
}

static struct error *create(struct analysis *a, const IntoClause *into, const SelectStmt *query,
                            bool if_not_exists)
{
    struct query *q = a->q;
    struct select *sel;
    q->kind = QUERY_CREATE_TABLE;
    q->tag = "CREATE TABLE AS";
    q->writes = true;
    TRY(sql__begin_table(a, into->rel, into->options, into->onCommit, if_not_exists));
    if (q->create_table.exists)
        return NULL;
    TRY(sql__select(a, NULL, query, &sel));
    if (a->n_params)
        return sql__unsupported(a, -1, "Write the values themselves.",
                                "parameters in CREATE TABLE AS are not supported");
    for (int i = 0; i < sel->n_targets; i++)
        if (sel->targets[i].expr->type == OID_UNKNOWN)
            TRY(sql__coerce_select_column(a, sel, i, OID_TEXT));
    TRY(add_columns(a, into, sel, q->create_table.table));
    TRY(sql__end_table(a));
    a->rtes.n = 0;
    a->hidden.n = 0;
    a->selects.n = 0;
    return NULL;
}

struct error *sql__create_table_as(struct analysis *a, const CreateTableAsStmt *n,
                                   const struct sql_stmt *stmt)
{
    struct query *q = a->q;
    const char *start, *end = statement_end(a, stmt);
    if (n->objtype != OBJECT_TABLE)
        return sql__unsupported(a, -1, "Create a table, and fill it anew now and then.",
                                "CREATE MATERIALIZED VIEW is not supported");
    if (!IsA(n->query, SelectStmt))
        return sql__unsupported(a, -1, "Write the query.",
                                "CREATE TABLE AS EXECUTE is not supported");
    TRY(create(a, n->into, (const SelectStmt *)n->query, n->if_not_exists));
    if (q->create_table.exists || n->into->skipData)
        return NULL;
    const char *text = after_word(statement_start(a, stmt), end, "as", &start);
    q->create_table.fill = insert_text(a, q->create_table.table, text, trimmed(text, end), "", 0);
    return NULL;
}

struct error *sql__select_into(struct analysis *a, const SelectStmt *n, const struct sql_stmt *stmt)
{
    struct query *q = a->q;
    SelectStmt plain = *n;
    const char *start = statement_start(a, stmt), *end = statement_end(a, stmt), *into, *rest;
    plain.intoClause = NULL;
    TRY(create(a, n->intoClause, &plain, false));
    after_word(start, end, "into", &into);
    rest = a->script->parsed + sql__end_of_name(a, n->intoClause->rel->location);
    q->create_table.fill = insert_text(a, q->create_table.table, start, (size_t)(into - start),
                                       rest, trimmed(rest, end));
    return NULL;
}
