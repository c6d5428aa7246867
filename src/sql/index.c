/* CREATE INDEX, and the names of indexes. */
#include "sql_int.h"

#include "emit_int.h"
#include "lex.h"

bool sql__key_exists(const struct table *t, const char *name)
{
    for (int i = 0; i < t->n_keys; i++) {
        if (strcmp(t->keys[i].name, name) == 0)
            return true;
    }
    return false;
}

char *sql__free_index_name(struct analysis *a, const struct table *t, const char *columns,
                           const char *suffix)
{
    char *name = sql__make_name(a, t->name, columns, suffix);
    for (int i = 1; sql__relation_exists(a, t->schema, name); i++)
        name = sql__make_name(a, t->name, columns, arena_printf(a->arena, "%s%d", suffix, i));
    return name;
}

void sql__index_text(struct analysis *a, const struct table *t, struct index *x)
{
    struct buf text = {0};
    x->file_name = sql__file_name(a, t->schema, x->name);
    buf_puts(&text, x->unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    sql_quote(x->file_name, &text);
    buf_puts(&text, " ON ");
    sql_quote(table_file_name(t), &text);
    buf_puts(&text, " (");
    for (int i = 0; i < x->n_columns; i++) {
        if (i)
            buf_puts(&text, ", ");
        sql_quote(t->columns[x->columns[i]].name, &text);
        if (x->descending[i])
            buf_puts(&text, " DESC");
    }
    buf_puts(&text, ")");
    x->ddl = arena_strdup(a->arena, text.data);
    buf_done(&text);
}

static struct error *index_element(struct analysis *a, const IndexElem *e, const struct table *t,
                                   int location, struct index *x, int i)
{
    if (e->expr)
        return sql__unsupported(a, location, "Index plain columns.",
                                "indexes on expressions are not supported");
    if (e->collation && strcmp(strVal(llast(e->collation)), "C") != 0)
        return sql__unsupported(a, location, "Leave COLLATE out.",
                                "collation \"%s\" is not supported", strVal(llast(e->collation)));
    x->columns[i] = table_column(t, e->name);
    if (x->columns[i] < 0)
        return error_new(E_UNDEFINED_COLUMN, "column \"%s\" does not exist", e->name);
    x->descending[i] = e->ordering == SORTBY_DESC;
    return NULL;
}

static struct error *refuse_index(const struct analysis *a, const IndexStmt *n)
{
    int at = n->relation->location;
    if (n->indexIncludingParams)
        return sql__unsupported(a, at, "Put the columns into the index's key.",
                                "INCLUDE is not supported");
    if (n->nulls_not_distinct)
        return sql__unsupported(a, at, "Declare the columns NOT NULL.",
                                "NULLS NOT DISTINCT is not supported");
    if (n->accessMethod && strcmp(n->accessMethod, "btree") != 0)
        return sql__unsupported(a, at, "Use btree, the default.",
                                "access method \"%s\" is not supported", n->accessMethod);
    return NULL;
}

/* What stands after WHERE, to the end of the statement. */
static char *where_text(const struct analysis *a, int location)
{
    const char *text = a->script->parsed, *end = text + strlen(text), *p = text;
    const char *start = text + location, *last = start;
    struct token t;
    do {
        p = sql__lex(p, end, &t);
        if (sql__is_word(&t, "where") && t.start < text + location)
            start = p;
    } while (t.kind != TOKEN_END && t.start < text + location);
    for (p = start;;) {
        p = sql__lex(p, end, &t);
        if (t.kind == TOKEN_END || (t.kind == TOKEN_PUNCTUATION && *t.start == ';'))
            break;
        last = p;
    }
    while (strchr(" \t\r\n\f", *start) && start < last)
        start++;
    return (char *)sql__slice(a, (size_t)(start - text), (size_t)(last - text));
}

/* A boolean over the columns of t. In a scope of its own: the statement reads no table. */
struct error *sql__index_predicate(struct analysis *a, const struct table *t, const Node *n,
                                   const char *stored, struct expr **ret)
{
    struct scope s = {.clause = CLAUSE_INDEX_PREDICATE};
    int rtes = a->rtes.n;
    sql__add_item(a, &s, sql__base_rte(a, t, t->name, -1));
    TRY(n ? sql__expr(a, &s, n, ret) : sql__stored_expr(a, &s, stored, ret));
    TRY(sql__boolean(a, *ret, "WHERE", ret));
    a->rtes.n = rtes;
    return NULL;
}

struct error *sql__index_where(struct analysis *a, const struct table *t, const Node *n,
                               struct index *x)
{
    struct expr *e;
    TRY(sql__index_predicate(a, t, n, x->where_sql, &e));
    if (n && (a->q->volatile_ || a->hidden.n))
        return error_new("42P17", "functions in index predicate must be marked IMMUTABLE");
    if (n)
        x->where_sql = where_text(a, sql__location(n));
    struct buf text = {0};
    struct emitter em = {.out = &text, .all_bare = true};
    sql__emit_expr(&em, e);
    x->ddl = arena_printf(a->arena, "%s WHERE %s", x->ddl, text.data);
    buf_done(&text);
    return NULL;
}

struct error *sql__create_index(struct analysis *a, const IndexStmt *n)
{
    struct query *q = a->q;
    const struct table *t;
    struct index *x = ARENA_NEW(a->arena, struct index);
    q->kind = QUERY_CREATE_INDEX;
    q->tag = "CREATE INDEX";
    q->alone = n->concurrent;
    q->writes = true;
    TRY(sql__find_relation(a, n->relation, &t));
    TRY(refuse_index(a, n));
    if (t->id == 0)
        return sql__at(a, error_new("42501", "permission denied for system table \"%s\"", t->name),
                       n->relation->location);
    q->create_index.table = t;
    q->create_index.index = x;
    q->create_index.if_not_exists = n->if_not_exists;
    x->unique = n->unique;
    x->n_columns = list_length(n->indexParams);
    x->columns = ARENA_ARRAY(a->arena, int, x->n_columns);
    x->descending = ARENA_ARRAY(a->arena, bool, x->n_columns);
    for (int i = 0; i < x->n_columns; i++)
        TRY(index_element(a, list_nth(n->indexParams, i), t, n->relation->location, x, i));
    if (n->idxname) {
        x->name = arena_strdup(a->arena, n->idxname);
        TRY(sql__check_identifier(a, "index", x->name, -1));
        q->create_index.exists = sql__relation_exists(a, t->schema, x->name);
        if (q->create_index.exists && !n->if_not_exists)
            return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists", x->name);
    } else {
        x->name =
            sql__free_index_name(a, t, sql__joined_columns(a, t, x->columns, x->n_columns), "idx");
    }
    sql__index_text(a, t, x);
    return n->whereClause ? sql__index_where(a, t, n->whereClause, x) : NULL;
}
