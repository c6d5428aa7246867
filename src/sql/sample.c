/*
 * TABLESAMPLE: a table becomes the subquery that PostgreSQL's rules make of it,
 *
 *   t TABLESAMPLE BERNOULLI (10) REPEATABLE (5)
 *   (SELECT * FROM t WHERE minisql_sampled(10, 5, row_to_json(t))) AS t
 *
 * with NULL for what is not repeatable: then each row is taken by chance, else by what is in it, so
 * that a sample stays the same as long as its rows do. SYSTEM takes rows, too: SQLite's pages are
 * nobody's business.
 */
#include "sql_int.h"

static Node *node_of(struct analysis *a, size_t size, NodeTag tag)
{
    Node *n = arena_alloc(a->arena, size);
    memset(n, 0, size);
    n->type = tag;
    return n;
}
#define NODE(a, type) ((type *)(void *)node_of(a, sizeof(type), T_##type))

static List *list_of(struct analysis *a, int n, Node **nodes)
{
    List *list = NODE(a, List);
    list->elements = ARENA_ARRAY(a->arena, ListCell, n);
    list->length = list->max_length = n;
    for (int i = 0; i < n; i++)
        list->elements[i].ptr_value = nodes[i];
    return list;
}

static Node *name_of(struct analysis *a, const char *text)
{
    String *s = NODE(a, String);
    s->sval = (char *)(uintptr_t)text;
    return (Node *)(void *)s;
}

static Node *column_of(struct analysis *a, Node *field)
{
    ColumnRef *c = NODE(a, ColumnRef);
    c->fields = list_of(a, 1, (Node *[]){field});
    c->location = -1;
    return (Node *)(void *)c;
}

static Node *call_of(struct analysis *a, const char *name, int n, Node **args, int location)
{
    FuncCall *f = NODE(a, FuncCall);
    f->funcname = list_of(a, 1, (Node *[]){name_of(a, name)});
    f->args = list_of(a, n, args);
    f->location = location;
    return (Node *)(void *)f;
}

static struct error *check_sample(struct analysis *a, const RangeTableSample *n, bool cte)
{
    const RangeVar *rv = (const RangeVar *)(const void *)n->relation;
    const char *method = strVal(llast(n->method));
    if (!IsA(n->relation, RangeVar) || cte || sql__lookup_view(a, rv))
        return sql__at(a,
                       error_new(E_UNSUPPORTED, "TABLESAMPLE clause can only be applied to tables "
                                                "and materialized views"),
                       sql__location(n->relation));
    if (strcmp(method, "bernoulli") != 0 && strcmp(method, "system") != 0)
        return sql__at(
            a, error_new(E_UNDEFINED_OBJECT, "tablesample method %s does not exist", method),
            n->location);
    if (list_length(n->args) == 1)
        return NULL;
    return sql__at(a,
                   error_new("2202H", "tablesample method %s requires 1 argument, not %d", method,
                             list_length(n->args)),
                   n->location);
}

struct error *sql__sample(struct analysis *a, const RangeTableSample *n, bool cte, const Node **ret)
{
    TRY(check_sample(a, n, cte));
    RangeVar *table = NODE(a, RangeVar);
    *table = *(const RangeVar *)(const void *)n->relation;
    Alias *alias = table->alias;
    if (!alias) {
        alias = NODE(a, Alias);
        alias->aliasname = table->relname;
    }
    table->alias = NULL;
    A_Const *null = NODE(a, A_Const);
    null->isnull = true;
    null->location = -1;
    Node *row = column_of(a, name_of(a, table->relname));
    Node *args[] = {linitial(n->args), n->repeatable ? n->repeatable : (Node *)(void *)null,
                    call_of(a, "row_to_json", 1, &row, -1)};
    ResTarget *star = NODE(a, ResTarget);
    star->val = column_of(a, node_of(a, sizeof(A_Star), T_A_Star));
    star->location = -1;
    SelectStmt *select = NODE(a, SelectStmt);
    select->targetList = list_of(a, 1, (Node *[]){(Node *)(void *)star});
    select->fromClause = list_of(a, 1, (Node *[]){(Node *)(void *)table});
    select->whereClause = call_of(a, "minisql_sampled", 3, args, n->location);
    select->limitOption = LIMIT_OPTION_DEFAULT;
    RangeSubselect *sub = NODE(a, RangeSubselect);
    sub->subquery = (Node *)(void *)select;
    sub->alias = alias;
    *ret = (const Node *)(const void *)sub;
    return NULL;
}
