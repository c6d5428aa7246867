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

/* An expression over the columns of t, in a scope of its own: the statement reads no table. */
static struct error *over_table(struct analysis *a, const struct table *t, enum clause clause,
                                const Node *n, const char *stored, struct expr **ret)
{
    struct scope s = {.clause = clause};
    int rtes = a->rtes.n;
    sql__add_item(a, &s, sql__base_rte(a, t, t->name, -1));
    TRY(n ? sql__expr(a, &s, n, ret) : sql__stored_expr(a, &s, stored, ret));
    a->rtes.n = rtes;
    return NULL;
}

struct error *sql__index_expression(struct analysis *a, const struct table *t, const Node *n,
                                    const char *stored, struct expr **ret)
{
    TRY(over_table(a, t, CLAUSE_INDEX_EXPRESSION, n, stored, ret));
    sql__default_unknown(a, ret);
    return NULL;
}

/* A boolean. */
struct error *sql__index_predicate(struct analysis *a, const struct table *t, const Node *n,
                                   const char *stored, struct expr **ret)
{
    TRY(over_table(a, t, CLAUSE_INDEX_PREDICATE, n, stored, ret));
    return sql__boolean(a, *ret, "WHERE", ret);
}

bool sql__index_has_literal(const struct table *t)
{
    for (int i = 0; i < t->n_indexes; i++)
        for (int k = 0; k < t->indexes[i].n_expressions; k++) {
            const char *p = t->indexes[i].expressions[k].sql, *end = p + strlen(p);
            struct token token;
            do {
                p = sql__lex(p, end, &token);
                if (token.kind == TOKEN_STRING || token.kind == TOKEN_NUMBER)
                    return true;
            } while (token.kind != TOKEN_END && token.kind != TOKEN_BAD);
        }
    return false;
}

static bool is_key(const struct expr *filter, struct expr *key)
{
    if (filter->kind != EXPR_FUNC || strcmp(filter->call.func->name, "=") != 0 ||
        filter->n_args != 2)
        return false;
    for (int side = 0; side < 2; side++)
        if (expr_is_constant(filter->args[1 - side]) && sql__same_expr(key, filter->args[side]))
            return true;
    return false;
}

struct error *sql__mark_indexed(struct analysis *a, struct rte *r)
{
    for (int i = 0; r->n_filters && r->kind == RTE_TABLE && i < r->table->n_indexes; i++) {
        const struct index *x = &r->table->indexes[i];
        struct expr *key;
        if (x->columns[0] >= 0)
            continue;
        TRY(sql__index_expression(a, r->table, NULL, x->expressions[-1 - x->columns[0]].sql, &key));
        for (int k = 0; k < r->n_filters && !r->indexed; k++)
            r->indexed = is_key(r->filters[k], key);
    }
    return NULL;
}

/* ---- SQLite text ----------------------------------------------------------------------------- */

void sql__emit_index_key(const struct expr *e, struct buf *out)
{
    struct emitter em = {.out = out, .all_bare = true, .stored = true};
    sql__emit_compared(&em, e);
}

void sql__emit_equal_nulls(const char *key, uint32_t type, struct buf *out)
{
    buf_printf(out, "(%s) IS NULL, ifnull(%s, 0)%s", key, key, sql__collation(type));
}

static uint32_t key_type(const struct table *t, const struct index *x, int i)
{
    int at = x->columns[i];
    return at < 0 ? x->expressions[-1 - at].type : t->columns[at].type;
}

static struct error *emit_key(struct analysis *a, const struct table *t, const struct index *x,
                              int i, struct buf *out)
{
    struct expr *e;
    if (x->columns[i] >= 0) {
        sql_quote(t->columns[x->columns[i]].name, out);
        return NULL;
    }
    TRY(sql__index_expression(a, t, NULL, x->expressions[-1 - x->columns[i]].sql, &e));
    sql__emit_index_key(e, out);
    return NULL;
}

struct error *sql_emit_index_keys(const struct catalog_view *v, const struct table *t,
                                  const struct index *x, struct arena *arena, struct buf *out)
{
    struct sql_context ctx = {.view = v};
    struct sql_script script = {.text = "", .parsed = ""};
    struct analysis a = {.ctx = &ctx, .arena = arena, .script = &script};
    a.path = sql__path(&ctx, arena);
    a.q = ARENA_NEW(arena, struct query);
    for (int i = 0; i < x->n_columns; i++) {
        buf_puts(out, i ? ", " : "");
        TRY(emit_key(&a, t, x, i, out));
    }
    return NULL;
}

/* Where they don't count for uniqueness, included columns are keys in the file. */
static struct error *emit_keys(struct analysis *a, const struct table *t, const struct index *x,
                               struct buf *out)
{
    for (int i = 0; i < x->n_columns; i++) {
        _cleanup_(buf_done) struct buf key = {0};
        buf_puts(out, i ? ", " : " (");
        TRY(emit_key(a, t, x, i, &key));
        if (x->nulls_equal)
            sql__emit_equal_nulls(key.data, key_type(t, x, i), out);
        else
            buf_puts(out, key.data);
        buf_puts(out, x->descending[i] ? " DESC" : "");
    }
    for (int i = 0; i < x->n_included && !x->unique; i++) {
        buf_puts(out, ", ");
        sql_quote(t->columns[x->included[i]].name, out);
    }
    buf_puts(out, ")");
    return NULL;
}

static uint32_t method_of(const struct index *x)
{
    return x->method ? x->method : AM_BTREE;
}

/* 42704, 42804: there is no class for the type of a key, or the one that was named takes another.
 */
static struct error *check_class(const struct analysis *a, const struct table *t,
                                 const struct index *x, int i)
{
    uint32_t named = x->classes ? x->classes[i] : 0, type = key_type(t, x, i);
    const struct opclass *c = named ? opclass_by_oid(named) : opclass_default(method_of(x), type);
    if (c && !opclass_takes(c, type))
        return error_new(E_TYPE_MISMATCH, "operator class \"%s\" does not accept data type %s",
                         c->name, sql__type(a, type));
    if (c)
        return NULL;
    return error_hint(
        error_new(E_UNDEFINED_OBJECT,
                  "data type %s has no default operator class for access method \"%s\"",
                  sql__type(a, type), access_method_name(method_of(x))),
        "You must specify an operator class for the index or define a default "
        "operator class for the data type.");
}

static struct error *index_text(struct analysis *a, const struct table *t, struct index *x)
{
    struct buf text = {0};
    for (int i = 0; i < x->n_columns; i++)
        TRY(check_class(a, t, x, i));
    buf_puts(&text, x->unique && !x->watched ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    sql_quote(index_file_name(x), &text);
    buf_puts(&text, " ON ");
    sql_quote(table_file_name(t), &text);
    struct error *e = emit_keys(a, t, x, &text);
    buf_puts(&text, index_has_rows(x) ? "" : " WHERE 0");
    x->ddl = arena_strdup(a->arena, text.data);
    buf_done(&text);
    return e;
}

struct error *sql__index_text(struct analysis *a, const struct table *t, struct index *x)
{
    x->file_name = sql__file_name(a, t->schema, x->name);
    return index_text(a, t, x);
}

struct error *sql__index_ddl(struct analysis *a, const struct table *t, struct index *x)
{
    TRY(index_text(a, t, x));
    return x->where_sql ? sql__index_where(a, t, NULL, x) : NULL;
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* The text of the i-th key, from its first token to the end of its first pair of parentheses; what
 * stands in them, when nothing stands before. Without parentheses: all of it. */
static char *key_text(const struct analysis *a, const RangeVar *table, int i)
{
    const char *text = a->script->parsed, *end = text + strlen(text);
    const char *p = text + sql__end_of_name(a, table->location), *start = NULL, *last = NULL;
    struct token t;
    int depth = 0;
    bool list = false, bare = false;
    for (;;) {
        p = sql__lex(p, end, &t);
        char c = t.kind == TOKEN_PUNCTUATION ? *t.start : 0;
        if (t.kind == TOKEN_END || t.kind == TOKEN_BAD)
            break;
        if (!list) { /* USING btree */
            list = c == '(';
            continue;
        }
        if (depth == 0 && (c == ',' || c == ')')) {
            if (i-- == 0)
                break;
            continue;
        }
        if (i == 0 && !start) {
            bare = c == '(';
            start = t.start;
        }
        if (c == '(' || c == '[')
            depth++;
        if (c == ')' || c == ']')
            depth--;
        last = p;
        if (i == 0 && c == ')' && depth == 0)
            break;
    }
    size_t from = (size_t)(start - text), to = (size_t)(last - text);
    return (char *)(bare ? sql__slice(a, from + 1, to - 1) : sql__slice(a, from, to));
}

static struct error *add_expression(struct analysis *a, const IndexStmt *n, const IndexElem *e,
                                    struct expr *x, int i, struct index *ret)
{
    if (x->type != OID_RECORD && !sql__is_immutable(x))
        return error_new("42P17", "functions in index expression must be marked IMMUTABLE");
    const char *name = sql__column_name(e->expr);
    if (x->type == OID_RECORD)
        return sql__check_result_type(a, strcmp(name, "?column?") == 0 ? "expr" : name, x->type);
    struct index_expression *all = ret->expressions;
    ret->expressions = ARENA_ARRAY(a->arena, struct index_expression, ret->n_expressions + 1);
    if (ret->n_expressions)
        memcpy(ret->expressions, all, sizeof(*all) * (size_t)ret->n_expressions);
    ret->columns[i] = -1 - ret->n_expressions;
    ret->expressions[ret->n_expressions++] = (struct index_expression){
        .sql = key_text(a, n->relation, i),
        .name = arena_strdup(a->arena, strcmp(name, "?column?") == 0 ? "expr" : name),
        .type = x->type,
        .typmod = x->typmod};
    return NULL;
}

static struct error *key_column(struct analysis *a, const IndexStmt *n, const IndexElem *e,
                                const struct table *t, struct index *x, int i)
{
    struct expr *given = NULL;
    if (e->expr)
        TRY(sql__index_expression(a, t, e->expr, NULL, &given));
    if (given && given->kind != EXPR_COLUMN) {
        return add_expression(a, n, e, given, i, x);
    }
    x->columns[i] = given ? given->col.column : table_column(t, e->name);
    if (x->columns[i] < 0)
        return error_new(E_UNDEFINED_COLUMN, "column \"%s\" does not exist", e->name);
    return NULL;
}

/* What the method can't do for this key. */
static struct error *check_order(const struct index *x, const IndexElem *e)
{
    if (!x->method)
        return NULL;
    const char *method = access_method_name(x->method);
    if (e->ordering != SORTBY_DEFAULT)
        return error_new(E_UNSUPPORTED, "access method \"%s\" does not support ASC/DESC options",
                         method);
    if (e->nulls_ordering != SORTBY_NULLS_DEFAULT)
        return error_new(E_UNSUPPORTED,
                         "access method \"%s\" does not support NULLS FIRST/LAST options", method);
    return NULL;
}

/* The class that is named, which has to be one of the method's. The default is not kept: it goes
 * with the type. */
static struct error *take_class(struct analysis *a, const IndexElem *e, const struct table *t,
                                struct index *x, int i)
{
    if (!e->opclass)
        return check_class(a, t, x, i);
    const char *name = strVal(llast(e->opclass));
    bool qualified = list_length(e->opclass) > 1;
    const char *schema = qualified ? strVal(linitial(e->opclass)) : "pg_catalog";
    const struct opclass *c = opclass_by_name(method_of(x), name);
    if (!c || strcmp(schema, "pg_catalog") != 0)
        return error_new(E_UNDEFINED_OBJECT,
                         "operator class \"%s\" does not exist for access method \"%s\"",
                         qualified ? arena_printf(a->arena, "%s.%s", schema, name) : name,
                         access_method_name(method_of(x)));
    if (!x->classes)
        x->classes = ARENA_ARRAY(a->arena, uint32_t, x->n_columns);
    x->classes[i] = c->oid;
    TRY(check_class(a, t, x, i));
    if (c == opclass_default(method_of(x), key_type(t, x, i)))
        x->classes[i] = 0;
    return NULL;
}

static struct error *index_element(struct analysis *a, const IndexStmt *n, const struct table *t,
                                   struct index *x, int i)
{
    const IndexElem *e = list_nth(n->indexParams, i);
    if (e->collation && strcmp(strVal(llast(e->collation)), "C") != 0)
        return sql__unsupported(a, n->relation->location, "Leave COLLATE out.",
                                "collation \"%s\" is not supported", strVal(llast(e->collation)));
    TRY(key_column(a, n, e, t, x, i));
    TRY(take_class(a, e, t, x, i));
    TRY(check_order(x, e));
    x->descending[i] = e->ordering == SORTBY_DESC;
    bool first = e->nulls_ordering == SORTBY_NULLS_DEFAULT
                     ? x->descending[i]
                     : e->nulls_ordering == SORTBY_NULLS_FIRST;
    if (first != x->descending[i] && !x->nulls_first) {
        x->nulls_first = ARENA_ARRAY(a->arena, bool, x->n_columns);
        for (int k = 0; k < i; k++)
            x->nulls_first[k] = x->descending[k];
    }
    if (x->nulls_first)
        x->nulls_first[i] = first;
    return NULL;
}

static struct error *include(struct analysis *a, const List *names, const struct table *t,
                             struct index *x)
{
    int n = list_length(names);
    x->included = ARENA_ARRAY(a->arena, int, n + 1);
    for (int i = 0; i < n; i++) {
        const IndexElem *e = list_nth(names, i);
        if (e->expr)
            return error_new(E_UNSUPPORTED, "expressions are not supported in included columns");
        if (e->ordering != SORTBY_DEFAULT)
            return error_new("42P17", "including column does not support ASC/DESC options");
        int column = table_column(t, e->name);
        if (column < 0)
            return error_new(E_UNDEFINED_COLUMN, "column \"%s\" does not exist", e->name);
        x->included[x->n_included++] = column;
    }
    return NULL;
}

/* t_a_lower_idx: of all columns, as PostgreSQL calls them */
const char *sql__index_columns(struct analysis *a, const struct table *t, const struct index *x)
{
    const char *all = NULL;
    for (int i = 0; i < x->n_columns + x->n_included; i++) {
        int at = i < x->n_columns ? x->columns[i] : x->included[i - x->n_columns];
        const char *name = at < 0 ? x->expressions[-1 - at].name : t->columns[at].name;
        all = all ? arena_printf(a->arena, "%s_%s", all, name) : name;
    }
    return all;
}

/* Two of one name are told apart by numbers. */
static void number_expressions(struct analysis *a, const struct table *t, struct index *x)
{
    for (int i = 0; i < x->n_columns; i++) {
        if (x->columns[i] >= 0)
            continue;
        struct index_expression *e = &x->expressions[-1 - x->columns[i]];
        const char *name = e->name;
        for (int number = 0, k = 0; k < i; k++) {
            int at = x->columns[k];
            if (strcmp(at < 0 ? x->expressions[-1 - at].name : t->columns[at].name, e->name) != 0)
                continue;
            e->name = arena_printf(a->arena, "%s%d", name, ++number);
            k = -1;
        }
    }
}

static struct error *cannot(const char *method, const char *what)
{
    return error_new(E_UNSUPPORTED, "access method \"%s\" does not support %s", method, what);
}

static struct error *take_method(const IndexStmt *n, struct index *x)
{
    const char *name = n->accessMethod ? n->accessMethod : "btree";
    uint32_t method = access_method_by_name(name);
    if (!method)
        return error_new(E_UNDEFINED_OBJECT, "access method \"%s\" does not exist", name);
    if (n->unique && method != AM_BTREE)
        return cannot(name, "unique indexes");
    if (n->indexIncludingParams && method != AM_BTREE && method != AM_GIST && method != AM_SPGIST)
        return cannot(name, "included columns");
    if (list_length(n->indexParams) > 1 && (method == AM_HASH || method == AM_SPGIST))
        return cannot(name, "multicolumn indexes");
    x->method = method == AM_BTREE ? 0 : method;
    return NULL;
}

char *sql__where_text(const struct analysis *a, int location, size_t *ret_start)
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
    *ret_start = (size_t)(start - text);
    return (char *)sql__slice(a, *ret_start, (size_t)(last - text));
}

struct error *sql__index_where(struct analysis *a, const struct table *t, const Node *n,
                               struct index *x)
{
    struct expr *e;
    size_t start;
    TRY(sql__index_predicate(a, t, n, x->where_sql, &e));
    if (n && !sql__is_immutable(e))
        return error_new("42P17", "functions in index predicate must be marked IMMUTABLE");
    if (n)
        x->where_sql = sql__where_text(a, sql__location(n), &start);
    if (!index_has_rows(x))
        return NULL;
    struct buf text = {0};
    struct emitter em = {.out = &text, .all_bare = true, .stored = true};
    sql__emit_expr(&em, e);
    x->ddl = arena_printf(a->arena, "%s WHERE %s", x->ddl, text.data);
    buf_done(&text);
    return NULL;
}

/* Key (a, lower(b)) */
static const char *shown_keys(struct analysis *a, const struct table *t, const struct index *x)
{
    struct buf b = {0};
    for (int i = 0; i < x->n_columns; i++) {
        buf_puts(&b, i ? ", " : "");
        if (x->columns[i] < 0)
            sql_deparse_key(a->ctx->view, t, x->expressions[-1 - x->columns[i]].sql, true, &b);
        else
            sql_quote_identifier(t->columns[x->columns[i]].name, &b);
    }
    const char *keys = arena_printf(a->arena, "Key (%s)=(", b.data);
    buf_done(&b);
    return keys;
}

/* Finds two rows with one key. */
static struct alter_check *duplicates(struct analysis *a, const struct table *t,
                                      const struct index *x)
{
    struct buf keys = {0}, nulls = {0}, numbers = {0};
    for (int i = 0; i < x->n_columns; i++) {
        struct buf key = {0};
        if (x->columns[i] < 0)
            buf_printf(&key, "(%s)", x->expressions[-1 - x->columns[i]].sql);
        else
            sql_quote_identifier(t->columns[x->columns[i]].name, &key);
        buf_printf(&keys, "%s%s", i ? ", " : "", key.data);
        if (!x->nulls_equal)
            buf_printf(&nulls, "%s IS NOT NULL AND ", key.data);
        buf_printf(&numbers, "%s%d", i ? ", " : "", i + 1);
        buf_done(&key);
    }
    struct alter_check *check = ARENA_NEW(a->arena, struct alter_check);
    *check = (struct alter_check){
        .table = t,
        .query = arena_printf(a->arena,
                              "SELECT %s FROM %s WHERE %s(%s) GROUP BY %s HAVING count(*) > 1 "
                              "ORDER BY %s",
                              keys.data, sql_relation_text(t->schema, t->name, a->arena),
                              nulls.data ? nulls.data : "", x->where_sql ? x->where_sql : "true",
                              numbers.data, numbers.data),
        .sqlstate = E_UNIQUE,
        .message = arena_printf(a->arena, "could not create unique index \"%s\"", x->name),
        .constraint = x->name,
        .before_values = shown_keys(a, t, x),
        .after_values = ") is duplicated."};
    buf_done(&keys);
    buf_done(&nulls);
    buf_done(&numbers);
    return check;
}

struct error *sql__create_index(struct analysis *a, const IndexStmt *n)
{
    struct query *q = a->q;
    const struct table *t;
    struct index *x = ARENA_NEW(a->arena, struct index);
    q->kind = QUERY_CREATE_INDEX;
    q->tag = "CREATE INDEX";
    q->alone = n->concurrent ? "CREATE INDEX CONCURRENTLY" : NULL;
    q->writes = true;
    TRY(sql__find_relation(a, n->relation, &t));
    TRY(sql__check_tablespace(n->tableSpace));
    if (t->id == 0)
        return sql__at(a, error_new("42501", "permission denied for system table \"%s\"", t->name),
                       n->relation->location);
    q->create_index.table = t;
    q->create_index.index = x;
    q->create_index.if_not_exists = n->if_not_exists;
    TRY(take_method(n, x));
    x->unique = n->unique;
    x->nulls_equal = n->nulls_not_distinct;
    x->n_columns = list_length(n->indexParams);
    x->columns = ARENA_ARRAY(a->arena, int, x->n_columns);
    x->descending = ARENA_ARRAY(a->arena, bool, x->n_columns);
    for (int i = 0; i < x->n_columns; i++)
        TRY(index_element(a, n, t, x, i));
    number_expressions(a, t, x);
    TRY(include(a, n->indexIncludingParams, t, x));
    TRY(sql__set_options(a, sql__options_of_index(x->method), n->options, &x->options));
    if (n->idxname) {
        x->name = arena_strdup(a->arena, n->idxname);
        TRY(sql__check_identifier(a, "index", x->name, -1));
        q->create_index.exists = sql__relation_exists(a, t->schema, x->name);
        if (q->create_index.exists && !n->if_not_exists)
            return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists", x->name);
    } else {
        x->name = sql__free_index_name(a, t, sql__index_columns(a, t, x), "idx");
    }
    TRY(sql__index_text(a, t, x));
    if (n->whereClause)
        TRY(sql__index_where(a, t, n->whereClause, x));
    if (x->unique)
        q->create_index.duplicates = duplicates(a, t, x);
    return NULL;
}

/* ---- ALTER INDEX ------------------------------------------------------------------- */

/* An index of its own or the one beneath a key. */
struct error *sql__find_index(struct analysis *a, const RangeVar *rv, bool missing_ok,
                              const struct table **ret)
{
    const struct index *x;
    *ret = sql__lookup_index(a, rv, &x);
    if (!*ret)
        *ret = sql__lookup_key(a, rv);
    if (*ret)
        return NULL;
    if (sql__lookup_table(a, rv) || sql__lookup_view(a, rv) || sql__lookup_sequence(a, rv))
        return error_new("42809", "\"%s\" is not an index", rv->relname);
    if (!missing_ok)
        return error_new(E_UNDEFINED_TABLE, "relation \"%s\" does not exist", rv->relname);
    sql__notice(a, "00000", NULL, "relation \"%s\" does not exist, skipping", rv->relname);
    return NULL;
}

static void *copy_of(struct analysis *a, const void *list, int n, size_t size)
{
    void *copy = arena_alloc(a->arena, (size_t)(n + 1) * size);
    if (n)
        memcpy(copy, list, (size_t)n * size);
    return copy;
}
#define COPY_OF(a, type, list, n) copy_of(a, list, n, sizeof(type))

struct error *sql__change_index(struct analysis *a, const RangeVar *rv, bool missing_ok,
                                struct table **ret)
{
    struct query *q = a->q;
    q->kind = QUERY_ALTER_TABLE;
    q->tag = "ALTER INDEX";
    q->writes = true;
    *ret = NULL;
    TRY(sql__find_index(a, rv, missing_ok, &q->alter_table.table));
    if (!q->alter_table.table)
        return NULL;
    struct table *next = *ret = q->alter_table.next = ARENA_NEW(a->arena, struct table);
    *next = *q->alter_table.table;
    next->indexes = COPY_OF(a, struct index, next->indexes, next->n_indexes);
    next->keys = COPY_OF(a, struct key, next->keys, next->n_keys);
    return NULL;
}

/* In the file it keeps its name. The constraint of a key is called as its index is. */
struct error *sql__rename_index(struct analysis *a, const RenameStmt *n)
{
    struct table *next;
    const char *old = n->relation->relname;
    TRY(sql__change_index(a, n->relation, n->missing_ok, &next));
    if (!next)
        return NULL;
    TRY(sql__check_identifier(a, "index", n->newname, -1));
    if (sql__relation_exists(a, next->schema, n->newname))
        return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists", n->newname);
    for (int i = 0; i < next->n_indexes; i++) {
        struct index *x = &next->indexes[i];
        if (strcmp(x->name, old) != 0)
            continue;
        x->file_name = arena_strdup(a->arena, index_file_name(x));
        x->name = arena_strdup(a->arena, n->newname);
    }
    for (int i = 0; i < next->n_keys; i++)
        if (strcmp(next->keys[i].name, old) == 0)
            next->keys[i].name = arena_strdup(a->arena, n->newname);
    return NULL;
}
