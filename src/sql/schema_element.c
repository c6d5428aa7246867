/*
 * CREATE SCHEMA .. CREATE ..: what follows are statements of their own, to be analysed where the
 * schema is there. Their texts are cut out of this one.
 */
#include "sql_int.h"

#include "lex.h"

/* In this order PostgreSQL runs them; it may hang on what is before. */
static const struct {
    NodeTag tag;
    size_t name; /* where its RangeVar is */
} element_kinds[] = {{T_CreateSeqStmt, offsetof(CreateSeqStmt, sequence)},
                     {T_CreateStmt, offsetof(CreateStmt, relation)},
                     {T_ViewStmt, offsetof(ViewStmt, view)},
                     {T_IndexStmt, offsetof(IndexStmt, relation)}};

static struct error *check_element(const struct analysis *a, const Node *n, const char *schema,
                                   size_t *ret_kind)
{
    size_t k = 0;
    while (k < ARRAY_LEN(element_kinds) && element_kinds[k].tag != nodeTag(n))
        k++;
    if (k == ARRAY_LEN(element_kinds))
        return sql__unsupported(a, -1, "Say it in a statement of its own.",
                                "CREATE SCHEMA with something else than sequences, tables, views "
                                "and indexes is not supported");
    const RangeVar *rv =
        *(RangeVar *const *)(const void *)((const char *)n + element_kinds[k].name);
    *ret_kind = k;
    if (rv->relpersistence == 't')
        return sql__unsupported(a, -1, "Say it in a statement of its own.",
                                "something temporary in CREATE SCHEMA is not supported");
    if (rv->schemaname && strcmp(rv->schemaname, schema) != 0)
        return error_new("42P15",
                         "CREATE specifies a schema (%s) different from the one being created (%s)",
                         rv->schemaname, schema);
    return NULL;
}

/* Where each begins: a CREATE or GRANT outside of all parentheses. How many. */
static int cut(const struct analysis *a, const struct sql_stmt *stmt, int n, const char **ret)
{
    const char *p = a->script->text + stmt->offset, *end = p + stmt->len;
    struct token t;
    bool name = false; /* it may only be one: behind a dot, or AS */
    int depth = 0, found = 0;
    p = sql__lex(p, end, &t);
    for (p = sql__lex(p, end, &t); t.kind != TOKEN_END; p = sql__lex(p, end, &t)) {
        bool mark = t.kind == TOKEN_PUNCTUATION;
        depth += mark && *t.start == '(';
        depth -= mark && *t.start == ')';
        bool begins = sql__is_word(&t, "create") || sql__is_word(&t, "grant");
        if (begins && depth == 0 && !name && found++ < n)
            ret[found - 1] = t.start;
        name = (mark && *t.start == '.') || sql__is_word(&t, "as");
    }
    ret[n] = end;
    return found;
}

struct error *sql__schema_elements(struct analysis *a, const CreateSchemaStmt *n,
                                   const char *schema, const struct sql_stmt *stmt)
{
    struct query *q = a->q;
    int count = list_length(n->schemaElts);
    const char **starts = ARENA_ARRAY(a->arena, const char *, count + 1);
    size_t *kinds = ARENA_ARRAY(a->arena, size_t, count);
    for (int i = 0; i < count; i++)
        TRY(check_element(a, list_nth(n->schemaElts, i), schema, &kinds[i]));
    if (cut(a, stmt, count, starts) != count)
        return sql__unsupported(a, -1, "Create what is in it afterwards.",
                                "this form of CREATE SCHEMA is not supported");
    q->objects.elements = ARENA_ARRAY(a->arena, struct schema_element, count);
    for (size_t k = 0; k < ARRAY_LEN(element_kinds); k++)
        for (int i = 0; i < count; i++) {
            if (kinds[i] != k)
                continue;
            const char *text = a->script->text;
            q->objects.elements[q->objects.n_elements++] = (struct schema_element){
                arena_strndup(a->arena, starts[i], (size_t)(starts[i + 1] - starts[i])),
                sql__position(a->script, (int)(starts[i] - text)) - 1};
        }
    char *names = sql_names_in(q->names, schema);
    q->objects.element_names = arena_strdup(a->arena, names);
    mem_free(names);
    return NULL;
}
