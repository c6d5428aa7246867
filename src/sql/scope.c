/*
 * Names of columns -> EXPR_COLUMN. A scope is one query level; its items are what its FROM made
 * visible. A name that the innermost scope does not know is looked for in the enclosing ones, and
 * every select on the way out is then correlated.
 */
#include "sql_int.h"

struct name_item *sql__add_item(struct analysis *a, struct scope *s, struct rte *r)
{
    struct name_item *item = ARENA_NEW(a->arena, struct name_item);
    *item = (struct name_item){.name = r->name,
                               .rte = r,
                               .n_columns = r->n_columns,
                               .table_visible = true,
                               .columns_visible = true};
    sql__push(a->arena, &s->items, item);
    return item;
}

bool sql__item_column_gone(const struct name_item *item, int i)
{
    return !item->columns && item->rte->columns[i].dropped;
}

bool sql__item_column_unlisted(const struct name_item *item, int i)
{
    return item->columns ? item->columns[i].unlisted
                         : item->rte->columns[i].dropped || item->rte->columns[i].unlisted;
}

struct expr *sql__column(struct analysis *a, struct rte *r, int column, int location)
{
    struct rte_column *c = &r->columns[column];
    struct expr *e = sql__new_expr(a, EXPR_COLUMN, c->type, location, 0);
    e->typmod = c->typmod;
    e->domain = c->domain;
    e->col.rte = r;
    e->col.column = column;
    c->used = true;
    return e;
}

static bool mark_used(void *ctx, const struct expr *e)
{
    (void)ctx;
    if (e->kind == EXPR_COLUMN && e->col.column >= 0)
        e->col.rte->columns[e->col.column].used = true;
    return true;
}

struct expr *sql__item_column(struct analysis *a, struct name_item *item, int i, int location)
{
    if (!item->columns)
        return sql__column(a, item->rte, i, location);
    struct expr *e = ARENA_NEW(a->arena, struct expr);
    *e = *item->columns[i].expr;
    e->position = location + 1;
    expr_walk(e, false, mark_used, NULL);
    return e;
}

const char *sql__item_column_name(const struct name_item *item, int i)
{
    return item->columns ? item->columns[i].name : item->rte->columns[i].name;
}

bool sql__unaliased(const struct name_item *item)
{
    const struct rte *r = item->rte;
    const char *name = r && r->table ? r->table->name : r && r->view ? r->view->name : NULL;
    return name && strcmp(item->name, name) == 0;
}

static const char *schema_of(const struct rte *r)
{
    return r->table ? r->table->schema : r->view->schema;
}

struct name_item *sql__find_item_in(struct scope *s, const char *schema, const char *name)
{
    if (!schema)
        return sql__find_item(s, name);
    for (int i = 0; i < s->items.n; i++) {
        struct name_item *item = s->items.items[i];
        if (item->table_visible && item->name && strcmp(item->name, name) == 0 &&
            sql__unaliased(item) && strcmp(schema_of(item->rte), schema) == 0)
            return item;
    }
    return NULL;
}

/* 42P09: the name may be that of another item, too. */
static struct error *only_one(const struct analysis *a, struct scope *s,
                              const struct name_item *item, int location)
{
    for (int i = 0; i < s->items.n; i++) {
        const struct name_item *other = s->items.items[i];
        if (other != item && other->table_visible && other->name &&
            strcmp(other->name, item->name) == 0)
            return sql__at(a, error_new("42P09", "table reference \"%s\" is ambiguous", item->name),
                           location);
    }
    return NULL;
}

struct name_item *sql__find_item(struct scope *s, const char *name)
{
    for (int i = 0; i < s->items.n; i++) {
        struct name_item *item = s->items.items[i];
        if (item->table_visible && item->name && strcmp(item->name, name) == 0)
            return item;
    }
    return NULL;
}

static struct error *ambiguous(const struct analysis *a, const char *name, int location)
{
    return sql__at(a, error_new(E_AMBIGUOUS_COLUMN, "column reference \"%s\" is ambiguous", name),
                   location);
}

/* Index of a column; -1: none. 42702 when there are two. */
static struct error *column_of(const struct analysis *a, const struct name_item *item,
                               const char *name, int location, int *ret)
{
    *ret = -1;
    for (int i = 0; i < item->n_columns; i++) {
        if (sql__item_column_gone(item, i) || strcmp(sql__item_column_name(item, i), name) != 0)
            continue;
        if (*ret >= 0)
            return ambiguous(a, name, location);
        *ret = i;
    }
    return NULL;
}

static struct error *check_lateral(const struct analysis *a, const struct name_item *item,
                                   int location)
{
    if (!item || !item->not_lateral)
        return NULL;
    struct error *e = error_new("42P10", "invalid reference to FROM-clause entry for table \"%s\"",
                                item->name ? item->name : "");
    if (item->rte && item->rte->target)
        error_hint(e, "FROM and USING cannot depend on the table that is written.");
    else
        error_detail(e, "The combining JOIN type must be INNER or LEFT for a LATERAL reference.");
    return sql__at(a, e, location);
}

struct error *sql__find_column(struct analysis *a, struct scope *s, const char *name, int location,
                               struct expr **ret)
{
    struct name_item *found = NULL;
    int column = -1;
    for (int i = 0; i < s->items.n; i++) {
        struct name_item *item = s->items.items[i];
        int c;
        if (!item->columns_visible)
            continue;
        TRY(column_of(a, item, name, location, &c));
        if (c < 0)
            continue;
        if (found)
            return ambiguous(a, name, location);
        found = item;
        column = c;
    }
    TRY(check_lateral(a, found, location));
    *ret = found ? sql__item_column(a, found, column, location) : NULL;
    return NULL;
}

/* Found in `outer`, asked for in `inner`: the selects between depend on the outer row. */
void sql__mark_correlated(struct scope *inner, struct scope *outer)
{
    for (struct scope *s = inner; s != outer; s = s->parent) {
        if (s->select)
            s->select->correlated = true;
    }
    outer->referenced = true;
}

static struct error *no_column(const struct analysis *a, struct scope *s, const char *name,
                               int location)
{
    struct error *e = error_new(E_UNDEFINED_COLUMN, "column \"%s\" does not exist", name);
    for (; s; s = s->parent) {
        for (int i = 0; i < s->items.n && !e->hint; i++) {
            struct name_item *item = s->items.items[i];
            for (int c = 0; c < item->n_columns && item->name && !e->hint; c++) {
                const char *other = sql__item_column_name(item, c);
                if (!sql__item_column_gone(item, c) && strcasecmp(other, name) == 0)
                    error_hint(e, "Perhaps you meant to reference the column \"%s.%s\".",
                               item->name, other);
            }
        }
    }
    return sql__at(a, e, location);
}

/* ---- system columns -----------------------------------------------------------------------------
 */

static int not_null_column(const struct rte *r)
{
    for (int i = 0; i < r->n_columns; i++)
        if (r->columns[i].not_null)
            return i;
    return -1;
}

bool sql__is_system_column(const char *name)
{
    static const char *const all[] = {"tableoid", "xmin", "xmax", "cmin", "cmax", "ctid"};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (strcmp(name, all[i]) == 0)
            return true;
    return false;
}

/* ctid: the row's number in the region's file. */
struct error *sql__row_number(struct analysis *a, struct rte *r, int location, struct expr **ret)
{
    if (!sql_rowid_name(r->table))
        return sql__unsupported(a, location, "Rename one of the columns rowid, _rowid_ and oid.",
                                "ctid of table \"%s\" is not supported", r->table->name);
    struct expr *e = *ret = sql__new_expr(a, EXPR_COLUMN, OID_TID, location, 0);
    e->col.rte = r;
    e->col.column = COLUMN_ROWID;
    r->rowid = true;
    return NULL;
}

/* A constant, but for rows that an outer join made up: the object id of the table that the row is
 * from; or the transaction that made it, in a system relation, whose rows are all as old. */
static struct error *system_value(struct analysis *a, struct rte *r, const char *name, int location,
                                  struct expr **ret)
{
    enum { FIRST_NORMAL = 3 };
    bool system = r->table->id == 0 && !r->table->region;
    if (strcmp(name, "ctid") == 0 && r->table->id)
        return sql__row_number(a, r, location, ret);
    if (strcmp(name, "tableoid") == 0)
        *ret = sql__const_int(a, OID_OID, catalog_table_oid(r->table));
    else if (system && strcmp(name, "xmin") == 0)
        *ret = sql__const_int(a, OID_XID, FIRST_NORMAL);
    else
        return sql__unsupported(a, location, "Keep a key, or a version, in a column of the table.",
                                "system column \"%s\" is not supported", name);
    if (!r->nullable)
        return NULL;
    int column = not_null_column(r);
    if (column < 0)
        return sql__unsupported(a, location, "Select it in a subquery.",
                                "%s of a table on the outer side of a join is not supported", name);
    struct expr *test = sql__new_expr(a, EXPR_IS, OID_BOOL, location, 1);
    test->test = IS_NULL;
    test->args[0] = sql__column(a, r, column, location);
    struct expr *e = sql__new_expr(a, EXPR_CASE, (*ret)->type, location, 3);
    e->args[0] = test;
    e->args[1] = sql__const_null(a, (*ret)->type, location);
    e->args[2] = *ret;
    *ret = e;
    return NULL;
}

/* The only table of a scope; NULL: none. */
static struct error *only_table(const struct analysis *a, const struct scope *s, const char *name,
                                int location, struct rte **ret)
{
    *ret = NULL;
    for (int i = 0; i < s->items.n; i++) {
        const struct name_item *item = s->items.items[i];
        if (!item->rte || item->rte->kind != RTE_TABLE)
            continue;
        if (*ret)
            return ambiguous(a, name, location);
        *ret = item->rte;
    }
    return NULL;
}

static struct error *system_column(struct analysis *a, struct scope *s, const char *name,
                                   int location, struct expr **ret)
{
    struct rte *r = NULL;
    if (s && s->clause == CLAUSE_CHECK && strcmp(name, "tableoid") == 0)
        return sql__unsupported(a, location, "A CHECK can mention the columns of its row.",
                                "tableoid in a check constraint is not supported");
    if (s && s->clause == CLAUSE_GENERATED && sql__is_system_column(name) &&
        strcmp(name, "tableoid") != 0)
        return sql__at(a,
                       error_new("42P10",
                                 "cannot use system column \"%s\" in column generation expression",
                                 name),
                       location);
    if (s && (s->clause == CLAUSE_INDEX_PREDICATE || s->clause == CLAUSE_INDEX_EXPRESSION) &&
        sql__is_system_column(name))
        return error_new(E_UNSUPPORTED, "index creation on system columns is not supported");
    if (s && s->clause == CLAUSE_CHECK && sql__is_system_column(name))
        return sql__at(a,
                       error_new("42P10",
                                 "system column \"%s\" reference in check constraint is invalid",
                                 name),
                       location);
    for (struct scope *at = s; at && !r && sql__is_system_column(name); at = at->parent)
        TRY(only_table(a, at, name, location, &r));
    return r ? system_value(a, r, name, location, ret) : no_column(a, s, name, location);
}

static struct error *unqualified(struct analysis *a, struct scope *s, const char *name,
                                 int location, struct expr **ret)
{
    for (struct scope *at = s; at; at = at->parent) {
        TRY(sql__find_column(a, at, name, location, ret));
        if (*ret) {
            sql__mark_correlated(s, at);
            return NULL;
        }
    }
    return system_column(a, s, name, location, ret);
}

static struct error *invalid_reference(const char *name)
{
    return error_new(E_UNDEFINED_TABLE, "invalid reference to FROM-clause entry for table \"%s\"",
                     name);
}

/* A relation of this name or table in the FROM of s, or that s writes to, whether it is seen or
 * not; NULL: none. */
static const struct rte *hidden_rte(const struct analysis *a, const struct scope *s,
                                    const char *name)
{
    for (int i = 0; i < a->rtes.n; i++) {
        const struct rte *r = a->rtes.items[i];
        bool own = r->owner ? r->owner == s->select : r->target || r->kind == RTE_EXCLUDED;
        if (own && (strcmp(r->name, name) == 0 ||
                    (r->kind == RTE_TABLE && r->table && strcmp(r->table->name, name) == 0)))
            return r;
    }
    return NULL;
}

static struct error *no_relation(const struct analysis *a, struct scope *s, const char *name)
{
    for (; s; s = s->parent) {
        struct scope before = {.items = s->siblings};
        if (sql__find_item(&before, name))
            return error_hint(
                invalid_reference(name),
                "There is an entry for table \"%s\", but it cannot be referenced from "
                "this part of the query: LATERAL before the subquery lets it.",
                name);
        const struct rte *r = hidden_rte(a, s, name);
        if (!r)
            continue;
        if (strcmp(r->name, name) != 0 && sql__find_item(s, r->name))
            return error_hint(invalid_reference(name),
                              "Perhaps you meant to reference the table alias \"%s\".", r->name);
        return error_hint(
            invalid_reference(name),
            "There is an entry for table \"%s\", but it cannot be referenced from this "
            "part of the query.",
            r->name);
    }
    return error_new(E_UNDEFINED_TABLE, "missing FROM-clause entry for table \"%s\"", name);
}

struct error *sql__no_relation(const struct analysis *a, struct scope *s, const char *schema,
                               const char *name, int location)
{
    struct error *e = NULL;
    for (struct scope *at = s; at && schema && !e; at = at->parent)
        if (sql__find_item(at, name))
            e = error_hint(invalid_reference(name),
                           "There is an entry for table \"%s\", but it cannot be referenced from "
                           "this part of the query.",
                           name);
    return sql__at(a, e ? e : no_relation(a, s, name), location);
}

/* In a new view: that a name is told with its schema is only needed where its table is not the only
 * one of the name. */
static void note_column(struct analysis *a, struct scope *s, struct scope *at,
                        const struct name_item *found, int location, const char *name)
{
    for (; s != at; s = s->parent)
        if (sql__find_item(s, found->name))
            return;
    struct error *e = only_one(a, at, found, location);
    if (!e)
        sql__note_column(a, location, found->name, name);
    error_free(e);
}

/* schema may be NULL */
static struct error *qualified(struct analysis *a, struct scope *s, const char *schema,
                               const char *table, const char *name, int location, struct expr **ret)
{
    for (struct scope *at = s; at; at = at->parent) {
        struct name_item *item = sql__find_item_in(at, schema, table);
        if (!item)
            continue;
        if (!schema)
            TRY(only_one(a, at, item, location));
        int c;
        TRY(column_of(a, item, name, location, &c));
        if (c < 0 && item->rte && item->rte->kind == RTE_TABLE && sql__is_system_column(name))
            return system_value(a, item->rte, name, location, ret);
        if (c < 0)
            return sql__at(
                a, error_new(E_UNDEFINED_COLUMN, "column %s.%s does not exist", table, name),
                location);
        TRY(check_lateral(a, item, location));
        *ret = sql__item_column(a, item, c, location);
        sql__mark_correlated(s, at);
        if (schema)
            note_column(a, s, at, item, location, name);
        return NULL;
    }
    return sql__no_relation(a, s, schema, table, location);
}

static const char *clause_name(enum clause c)
{
    switch (c) {
    case CLAUSE_LIMIT:
        return "LIMIT";
    case CLAUSE_OFFSET:
        return "OFFSET";
    default:
        return NULL;
    }
}

static const char *dotted(struct analysis *a, const List *names)
{
    const char *all = strVal(linitial(names));
    for (int i = 1; i < list_length(names); i++)
        all = arena_printf(a->arena, "%s.%s", all, strVal(list_nth(names, i)));
    return all;
}

struct error *sql__column_ref(struct analysis *a, struct scope *s, const ColumnRef *c,
                              struct expr **ret)
{
    int n = list_length(c->fields);
    if (sql__is_row(a, s, (const Node *)c))
        return sql__row_value(a, s, (const Node *)c, ret);
    struct expr *scalar = sql__scalar_item(a, s, c);
    if (scalar) {
        *ret = scalar;
        return NULL;
    }
    if (IsA(llast(c->fields), A_Star) && n > 1)
        return sql__no_relation(a, s, n > 2 ? strVal(list_nth(c->fields, n - 3)) : NULL,
                                strVal(list_nth(c->fields, n - 2)), c->location);
    if (IsA(llast(c->fields), A_Star)) {
        return sql__at(a, error_new(E_SYNTAX, "row expansion via \"*\" is not supported here"),
                       c->location);
    }
    const char *last = strVal(llast(c->fields));
    if (s && s->clause == CLAUSE_DEFAULT)
        return sql__at(
            a, error_new(E_UNSUPPORTED, "cannot use column reference in DEFAULT expression"),
            c->location);
    if (s && s->clause == CLAUSE_EXECUTE)
        return no_column(a, s, last, c->location);
    if (s && clause_name(s->clause) && n == 1) {
        struct expr *own;
        TRY(sql__find_column(a, s, last, c->location, &own));
        if (own)
            return sql__at(a,
                           error_new("42P10", "argument of %s must not contain variables",
                                     clause_name(s->clause)),
                           c->location);
    }
    if (n == 1)
        return unqualified(a, s, last, c->location, ret);
    if (n == 4 && strcmp(strVal(linitial(c->fields)), a->path->database) != 0)
        return sql__at(a,
                       error_new(E_UNSUPPORTED,
                                 "cross-database references are not implemented: %s.%s.%s.%s",
                                 strVal(linitial(c->fields)), strVal(list_nth(c->fields, 1)),
                                 strVal(list_nth(c->fields, 2)), last),
                       c->location);
    if (n > 4)
        return sql__at(a,
                       error_new(E_SYNTAX, "improper qualified name (too many dotted names): %s",
                                 dotted(a, c->fields)),
                       c->location);
    return qualified(a, s, n > 2 ? strVal(list_nth(c->fields, n - 3)) : NULL,
                     strVal(list_nth(c->fields, n - 2)), last, c->location, ret);
}
