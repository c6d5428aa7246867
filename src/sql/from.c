/*
 * FROM -> range table and join tree.
 *
 * USING and NATURAL are written out: the condition becomes equalities, the merged columns an item
 * of names of their own (COALESCE of both sides for FULL, the preserved side otherwise), so that
 * nothing later has to know about them.
 *
 * An entry sees enclosing queries, not its siblings, hence each is analysed in a scope whose items
 * are still empty (`outer`). A LATERAL subquery and the arguments of a function see what stands to
 * their left, too: the scope's `siblings` (lateral_scope).
 */
#include "sql_int.h"

struct joined {
    struct from *from;
    struct list items; /* struct name_item of this part of the tree */
};

static struct error *from_node(struct analysis *a, struct scope *s, const Node *n,
                               struct joined *ret);

/* ---- leaves
 * ------------------------------------------------------------------------------------------ */

static struct from *leaf(struct analysis *a, struct scope *s, struct rte *r, struct joined *ret)
{
    struct from *f = ARENA_NEW(a->arena, struct from);
    f->rte = r;
    r->owner = s->select;
    struct scope own = {0};
    sql__add_item(a, &own, r);
    *ret = (struct joined){.from = f, .items = own.items};
    return f;
}

static struct error *too_few_columns(const char *what, const char *name, int n, int given)
{
    return error_new("42P10", "%s \"%s\" has %d columns available but %d columns specified", what,
                     name, n, given);
}

/* AS t (x, y): new names for the first columns. */
static struct error *rename_columns(struct analysis *a, struct rte *r, const Alias *alias)
{
    int n = alias ? list_length(alias->colnames) : 0, given = 0;
    int renamed = r->n_columns - (r->kind == RTE_CTE ? r->cte->n_added : 0);
    for (int i = 0; i < renamed && given < n; i++) {
        struct rte_column *c = &r->columns[i];
        if (c->dropped)
            continue;
        c->own = r->kind == RTE_TABLE || r->view ? c->name : NULL;
        c->name = arena_strdup(a->arena, strVal(list_nth(alias->colnames, given++)));
    }
    return given < n ? too_few_columns("table", r->name, given, n) : NULL;
}

struct rte *sql__base_rte(struct analysis *a, const struct table *t, const char *name, int location)
{
    struct rte *r = sql__new_rte(a, RTE_TABLE, name, location);
    r->table = t;
    r->n_columns = t->n_columns;
    r->columns = ARENA_ARRAY(a->arena, struct rte_column, MAX(t->n_columns, 1));
    for (int i = 0; i < t->n_columns; i++) {
        const struct column *c = &t->columns[i];
        r->columns[i] = (struct rte_column){.name = c->name,
                                            .type = c->type,
                                            .typmod = c->typmod,
                                            .domain = c->domain,
                                            .not_null = c->not_null,
                                            .dropped = c->dropped};
    }
    return r;
}

static int with_item(const struct with *w, const char *name)
{
    for (int i = 0; w && i < list_length(w->clause->ctes); i++)
        if (strcmp(((CommonTableExpr *)list_nth(w->clause->ctes, i))->ctename, name) == 0)
            return i;
    return -1;
}

static struct cte *cte_named(const struct list *ctes, const char *name)
{
    for (int i = ctes->n; i-- > 0;)
        if (strcmp(((struct cte *)ctes->items[i])->name, name) == 0)
            return ctes->items[i];
    return NULL;
}

/* The item's columns, under the names that an alias gives; what: whose they are. */
static struct error *name_columns(struct analysis *a, struct name_item *item,
                                  const struct list *columns, const Alias *alias, const char *what)
{
    int given = alias ? list_length(alias->colnames) : 0;
    item->n_columns = columns->n;
    item->columns = ARENA_ARRAY(a->arena, struct name_column, MAX(columns->n, 1));
    for (int i = 0; i < columns->n; i++) {
        item->columns[i] = *(struct name_column *)columns->items[i];
        if (i < given)
            item->columns[i].name = arena_strdup(a->arena, strVal(list_nth(alias->colnames, i)));
    }
    return given > columns->n ? too_few_columns(what, item->name, columns->n, given) : NULL;
}

/* Of a WITH RECURSIVE, whose items see each other. */
static struct error *find_recursive(struct analysis *a, struct with *w, int i, struct cte **ret)
{
    const CommonTableExpr *item = list_nth(w->clause->ctes, i);
    if (w->states[i] == WITH_BEGUN && w->current != i)
        return sql__at(
            a, error_new(E_UNSUPPORTED, "mutual recursion between WITH items is not implemented"),
            item->location);
    TRY(sql__with_item(a, w, i));
    *ret = cte_named(&w->scope->ctes, item->ctename);
    if (*ret)
        return NULL;
    return sql__at(a,
                   error_new("42P19",
                             "recursive query \"%s\" does not have the form non-recursive-term "
                             "UNION [ALL] recursive-term",
                             item->ctename),
                   item->location);
}

/* ret_above: in how many levels above this one it was looked for. */
static struct error *find_cte(struct analysis *a, struct scope *s, const char *name,
                              struct cte **ret, int *ret_above)
{
    *ret = NULL;
    for (*ret_above = -1; s && !*ret; s = s->parent) {
        int i = s->with && s->with->clause->recursive ? with_item(s->with, name) : -1;
        ++*ret_above;
        if (i >= 0)
            return find_recursive(a, s->with, i, ret);
        *ret = cte_named(&s->ctes, name);
    }
    return NULL;
}

/* Says where a name that is not found is one of WITH. */
static struct error *hint_at_with(struct error *e, const struct scope *s, const char *name)
{
    for (; error_is(e, E_UNDEFINED_TABLE) && s; s = s->parent) {
        if (with_item(s->with, name) < 0)
            continue;
        error_detail(e,
                     "There is a WITH item named \"%s\", but it cannot be referenced from this "
                     "part of the query.",
                     name);
        return error_hint(e, "Use WITH RECURSIVE, or re-order the WITH items to remove forward "
                             "references.");
    }
    return e;
}

static struct error *cte_rte(struct analysis *a, struct cte *c, bool above, const RangeVar *rv,
                             struct rte **ret)
{
    if (!c->columns) {
        return sql__at(
            a,
            error_new(
                "42P19",
                "recursive reference to query \"%s\" must not appear within its non-recursive term",
                c->name),
            rv->location);
    }
    struct rte *r =
        sql__new_rte(a, RTE_CTE, rv->alias ? rv->alias->aliasname : rv->relname, rv->location);
    r->cte = c;
    c->n_refs++;
    r->n_columns = c->n_columns;
    r->columns = ARENA_ARRAY(a->arena, struct rte_column, MAX(c->n_columns, 1));
    memcpy(r->columns, c->columns, sizeof(*c->columns) * (size_t)c->n_columns);
    for (int i = c->n_columns - c->n_added; i < c->n_columns; i++)
        r->columns[i].unlisted = above;
    if (c->write && !c->n_columns)
        return sql__at(
            a,
            error_new(E_UNSUPPORTED, "WITH query \"%s\" does not have a RETURNING clause", c->name),
            rv->location);
    *ret = r;
    return NULL;
}

/* Of a statement that fills it. */
static bool is_target(const struct analysis *a, const struct table *t)
{
    return a->q->write && a->q->write->target && a->q->write->target->table == t;
}

static struct error *table_rte(struct analysis *a, struct scope *s, const RangeVar *rv,
                               struct rte **ret)
{
    struct cte *c = NULL;
    int above = 0;
    if (!rv->schemaname)
        TRY(find_cte(a, s, rv->relname, &c, &above));
    if (a->rtes.n >= SQL_MAX_RTES)
        return error_hint(error_new("54000", "too many tables in one statement"), "Split it up.");
    if (c) {
        TRY(cte_rte(a, c, above > 0, rv, ret));
    } else {
        const struct table *t = sql__sequence_table(a, rv);
        const struct object *view = NULL;
        if (!t)
            TRY(hint_at_with(sql__find_source(a, rv, &t, &view), s, rv->relname));
        if (t && t->query && a->ctx->refreshes && is_target(a, t))
            view = t->query;
        if (view)
            TRY(sql__view_rte(a, s, rv, view, ret));
        else
            *ret =
                sql__base_rte(a, t, rv->alias ? rv->alias->aliasname : rv->relname, rv->location);
        sql__hide_later(a, t ? t->id : view->id, *ret);
        sql__note_source(a, rv, t ? t->id : view->id, t ? t->schema : view->schema,
                         t ? t->name : view->name, *ret);
    }
    return rename_columns(a, *ret, rv->alias);
}

/* What LATERAL sees: the siblings to the left, and then what s sees. Whether it used them says
 * `referenced` afterwards. */
static struct scope lateral_scope(const struct scope *s)
{
    return (struct scope){.parent = s->parent,
                          .select = s->select,
                          .items = s->siblings,
                          .ctes = s->ctes,
                          .with = s->with,
                          .clause = s->clause};
}

static struct error *check_packed(struct analysis *a, const struct rte *r)
{
    if (!r->lateral || r->n_columns <= TYPES_MAX_PACKED)
        return NULL;
    return sql__unsupported(a, r->position - 1, "Select fewer columns in the LATERAL subquery.",
                            "more than %d columns of a LATERAL subquery are not supported",
                            TYPES_MAX_PACKED);
}

static struct error *subselect(struct analysis *a, struct scope *s, const RangeSubselect *n,
                               struct joined *ret)
{
    int location = sql__location(n->subquery);
    if (!n->alias) {
        const SelectStmt *sub = (const SelectStmt *)n->subquery;
        struct error *e =
            error_new(E_SYNTAX, sub->valuesLists ? "VALUES in FROM must have an alias"
                                                 : "subquery in FROM must have an alias");
        error_hint(e, sub->valuesLists ? "For example, FROM (VALUES ...) [AS] foo."
                                       : "For example, FROM (SELECT ...) [AS] foo.");
        return sql__at(a, e, location);
    }
    struct select *sel;
    struct scope lateral = lateral_scope(s);
    TRY(sql__select(a, n->lateral ? &lateral : s, (const SelectStmt *)n->subquery, &sel));
    struct rte *r = sql__new_rte(a, RTE_SUBQUERY, n->alias->aliasname, location);
    r->select = sel;
    r->lateral = lateral.referenced;
    r->n_columns = sel->n_targets;
    r->columns = ARENA_ARRAY(a->arena, struct rte_column, MAX(sel->n_targets, 1));
    for (int i = 0; i < sel->n_targets; i++) {
        if (sel->targets[i].expr->type == OID_UNKNOWN)
            TRY(sql__coerce_select_column(a, sel, i, OID_TEXT));
        const struct expr *e = sel->targets[i].expr;
        r->columns[i] =
            (struct rte_column){.name = sel->targets[i].name,
                                .type = e->type,
                                .typmod = e->typmod,
                                .domain = e->domain,
                                .not_null = sel->kind == SELECT_PLAIN && !expr_nullable(e)};
    }
    TRY(check_packed(a, r));
    TRY(rename_columns(a, r, n->alias));
    leaf(a, s, r, ret);
    return NULL;
}

/* Functions that PostgreSQL's own views are over: the view stands for them here. */
static const struct stand_in {
    const char *function, *relation;
    bool scalar; /* the alias names the column, too */
} stand_ins[] = {{"pg_show_all_settings", "pg_settings", false},
                 {"pg_lock_status", "pg_locks", false},
                 {"pg_timezone_names", "pg_timezone_names", false},
                 {"pg_timezone_abbrevs", "pg_timezone_abbrevs", false},
                 {"pg_cursor", "pg_cursors", false},
                 {"pg_prepared_statement", "pg_prepared_statements", false},
                 {"pg_listening_channels", "minisql_channels", true}};

static const struct stand_in *stand_in(const RangeFunction *n)
{
    const FuncCall *f = list_length(n->functions) == 1 ? linitial(linitial(n->functions)) : NULL;
    int names = f && f->type == T_FuncCall ? list_length(f->funcname) : 0;
    if (!names || f->args || n->ordinality || n->coldeflist ||
        (names == 2 && strcmp(strVal(linitial(f->funcname)), "pg_catalog") != 0) || names > 2)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(stand_ins); i++)
        if (strcmp(strVal(llast(f->funcname)), stand_ins[i].function) == 0)
            return &stand_ins[i];
    return NULL;
}

static struct error *view_function(struct analysis *a, struct scope *s, const RangeFunction *n,
                                   const struct stand_in *x, struct joined *ret)
{
    struct rte *r;
    Alias alias = {.type = T_Alias, .aliasname = (char *)(uintptr_t)x->function};
    if (n->alias)
        alias = *n->alias;
    String name = {.type = T_String, .sval = alias.aliasname};
    ListCell cell = {.ptr_value = &name};
    List names = {.type = T_List, .length = 1, .max_length = 1, .elements = &cell};
    if (x->scalar && !alias.colnames)
        alias.colnames = &names;
    RangeVar rv = {.type = T_RangeVar,
                   .schemaname = (char *)(uintptr_t) "pg_catalog",
                   .relname = (char *)(uintptr_t)x->relation,
                   .alias = &alias,
                   .location = sql__location((const Node *)n)};
    TRY(table_rte(a, s, &rv, &r));
    leaf(a, s, r, ret);
    return NULL;
}

static bool gives_fields(const struct rte *r)
{
    bool any = false;
    for (int i = 0; i < r->n_columns && !any; i++)
        any = type_is_composite(type_by_oid(r->columns[i].type));
    return any;
}

/* Composite values of functions are seen as their fields. */
static struct error *open_fields(struct analysis *a, struct rte *r, const Alias *alias,
                                 struct name_item *item)
{
    struct list l = {0};
    for (int i = 0; i < r->n_columns; i++) {
        struct target one = {.expr = sql__column(a, r, i, -1), .name = r->columns[i].name};
        struct target *fields = &one;
        int n = 1;
        if (type_is_composite(type_by_oid(r->columns[i].type)))
            TRY(sql__value_fields(a, one.expr, -1, &n, &fields));
        for (int k = 0; k < n; k++) {
            struct name_column *c = ARENA_NEW(a->arena, struct name_column);
            *c = (struct name_column){.name = fields[k].name, .expr = fields[k].expr};
            sql__push(a->arena, &l, c);
        }
    }
    return name_columns(a, item, &l, alias, "table");
}

static struct error *function(struct analysis *a, struct scope *s, const RangeFunction *n,
                              struct joined *ret)
{
    struct rte *r;
    const struct stand_in *x = stand_in(n);
    if (x)
        return view_function(a, s, n, x, ret);
    struct scope lateral = lateral_scope(s);
    TRY(sql__function_rte(a, &lateral, n, &r));
    r->lateral = lateral.referenced;
    leaf(a, s, r, ret);
    return gives_fields(r) ? open_fields(a, r, n->alias, ret->items.items[0])
                           : rename_columns(a, r, n->alias);
}

/* ---- joins
 * ------------------------------------------------------------------------------------------- */

static void set_nullable(struct from *f)
{
    if (f->rte) {
        f->rte->nullable = true;
    } else {
        set_nullable(f->left);
        set_nullable(f->right);
    }
}

/* Tables of one name in two schemas may stand side by side. */
static bool are_two_tables(const struct name_item *l, const struct name_item *r)
{
    return sql__unaliased(l) && sql__unaliased(r) &&
           (l->rte->table != r->rte->table || l->rte->view != r->rte->view);
}

static struct error *check_names(struct analysis *a, const struct list *left,
                                 const struct list *right)
{
    for (int i = 0; i < left->n; i++) {
        const struct name_item *l = left->items[i];
        for (int k = 0; k < right->n; k++) {
            const struct name_item *r = right->items[k];
            if (l->name && r->name && l->table_visible && r->table_visible &&
                strcmp(l->name, r->name) == 0 && !are_two_tables(l, r))
                return error_new("42712", "table name \"%s\" specified more than once", l->name);
        }
    }
    return NULL;
}

static void append(struct analysis *a, struct list *to, const struct list *from)
{
    for (int i = 0; i < from->n; i++)
        sql__push(a->arena, to, from->items[i]);
}

/* Is this the column name of a visible item? 42702 when of two. */
static struct error *side_column(struct analysis *a, struct scope *s, const struct list *items,
                                 const char *name, const char *side, bool must, struct expr **ret)
{
    struct scope own = {.select = s->select, .items = *items};
    struct error *e = sql__find_column(a, &own, name, -1, ret);
    if (error_is(e, E_AMBIGUOUS_COLUMN)) {
        error_free(e);
        return error_new(E_AMBIGUOUS_COLUMN,
                         "common column name \"%s\" appears more than once in %s table", name,
                         side);
    }
    if (!e && !*ret && must)
        return error_new(E_UNDEFINED_COLUMN,
                         "column \"%s\" specified in USING clause does not exist in %s table", name,
                         side);
    return e;
}

/* Names common to both sides, in the left side's order. */
static struct error *natural_names(struct analysis *a, struct scope *s, const struct joined *l,
                                   const struct joined *r, struct list *ret)
{
    for (int i = 0; i < l->items.n; i++) {
        struct name_item *item = l->items.items[i];
        for (int c = 0; c < item->n_columns && item->columns_visible; c++) {
            if (sql__item_column_gone(item, c))
                continue;
            const char *name = sql__item_column_name(item, c);
            struct expr *other;
            TRY(side_column(a, s, &r->items, name, "right", false, &other));
            if (other)
                sql__push(a->arena, ret, (void *)name);
        }
    }
    return NULL;
}

static struct error *merge_one(struct analysis *a, struct scope *s, struct joined *l,
                               struct joined *r, enum join_kind kind, const char *name,
                               struct expr **ret_on, struct name_column *ret)
{
    struct expr *pair[2], *both[2];
    TRY(side_column(a, s, &l->items, name, "left", true, &pair[0]));
    TRY(side_column(a, s, &r->items, name, "right", true, &pair[1]));
    memcpy(both, pair, sizeof(both));
    TRY(sql__call(a, "=", both, 2, -1, ret_on));
    uint32_t type;
    TRY(sql__common_type(a, pair, 2, "JOIN/USING", &type));
    for (int i = 0; i < 2; i++)
        TRY(sql__coerce(a, pair[i], type, -1, CAST_IMPLICIT, &pair[i]));
    ret->name = name;
    ret->expr = kind == JOIN_RIGHT ? pair[1] : pair[0];
    if (kind == JOIN_FULL) {
        ret->expr = sql__new_expr(a, EXPR_COALESCE, type, -1, 2);
        memcpy(ret->expr->args, pair, sizeof(pair));
    }
    return NULL;
}

static bool in_names(const struct list *names, const char *name)
{
    for (int i = 0; i < names->n; i++) {
        if (strcmp(names->items[i], name) == 0)
            return true;
    }
    return false;
}

/* The columns of one side that were not merged. */
static void rest_columns(struct analysis *a, struct joined *side, const struct list *names,
                         struct list *ret)
{
    for (int i = 0; i < side->items.n; i++) {
        struct name_item *item = side->items.items[i];
        for (int c = 0; c < item->n_columns && item->columns_visible; c++) {
            if (sql__item_column_gone(item, c))
                continue;
            struct name_column *col = ARENA_NEW(a->arena, struct name_column);
            col->name = sql__item_column_name(item, c);
            if (in_names(names, col->name))
                continue;
            bool *used = item->columns ? NULL : &item->rte->columns[c].used, was = used && *used;
            col->expr = sql__item_column(a, item, c, -1);
            col->unlisted = sql__item_column_unlisted(item, c);
            if (used)
                *used = was; /* naming it is not reading it */
            sql__push(a->arena, ret, col);
        }
        item->columns_visible = false;
    }
}

static struct expr *conjunction(struct analysis *a, const struct list *l)
{
    if (l->n < 2)
        return l->n ? l->items[0] : NULL;
    struct expr *e = sql__new_expr(a, EXPR_AND, OID_BOOL, -1, l->n);
    memcpy(e->args, l->items, sizeof(void *) * (size_t)l->n);
    return e;
}

/* USING (names): gives the join its condition, and one item with all columns of the join. */
static struct error *join_using(struct analysis *a, struct scope *s, struct joined *l,
                                struct joined *r, const struct list *names, struct from *f,
                                struct name_item **ret)
{
    struct list conditions = {0}, columns = {0};
    for (int i = 0; i < names->n; i++) {
        struct expr *on;
        struct name_column *col = ARENA_NEW(a->arena, struct name_column);
        TRY(merge_one(a, s, l, r, f->join, names->items[i], &on, col));
        sql__push(a->arena, &conditions, on);
        sql__push(a->arena, &columns, col);
    }
    rest_columns(a, l, names, &columns);
    rest_columns(a, r, names, &columns);
    f->on = conjunction(a, &conditions);
    struct name_item *item = ARENA_NEW(a->arena, struct name_item);
    *item = (struct name_item){.n_columns = columns.n, .columns_visible = true};
    item->columns = ARENA_ARRAY(a->arena, struct name_column, MAX(columns.n, 1));
    for (int i = 0; i < columns.n; i++)
        item->columns[i] = *(struct name_column *)columns.items[i];
    *ret = item;
    return NULL;
}

/* (a JOIN b ..) AS j: only j is visible from here on. */
static struct error *join_alias(struct analysis *a, const Alias *alias, struct joined *j)
{
    struct list columns = {0}, none = {0};
    rest_columns(a, j, &none, &columns);
    struct name_item *item = ARENA_NEW(a->arena, struct name_item);
    *item = (struct name_item){.name = arena_strdup(a->arena, alias->aliasname),
                               .table_visible = true,
                               .columns_visible = true};
    TRY(name_columns(a, item, &columns, alias, "join expression"));
    j->items = (struct list){0};
    sql__push(a->arena, &j->items, item);
    return NULL;
}

/* JOIN .. USING (a, b) AS x: the merged columns also go by x.a, x.b. */
static struct name_item *using_alias(struct analysis *a, const Alias *alias,
                                     const struct name_item *merged, int n)
{
    struct name_item *item = ARENA_NEW(a->arena, struct name_item);
    *item = (struct name_item){.name = arena_strdup(a->arena, alias->aliasname),
                               .n_columns = n,
                               .columns = merged->columns,
                               .table_visible = true};
    return item;
}

int sql__leftmost(const Node *n)
{
    if (IsA(n, RangeVar))
        return ((const RangeVar *)n)->location;
    if (IsA(n, JoinExpr))
        return sql__leftmost(((const JoinExpr *)n)->larg);
    if (IsA(n, RangeSubselect))
        return sql__location(((const RangeSubselect *)n)->subquery);
    if (IsA(n, RangeFunction))
        return sql__location(linitial(linitial_node(List, ((const RangeFunction *)n)->functions)));
    return -1;
}

static struct error *join_condition(struct analysis *a, struct scope *s, const JoinExpr *n,
                                    struct joined *l, struct joined *r, struct joined *ret)
{
    struct from *f = ret->from;
    struct list names = {0};
    for (int i = 0; i < list_length(n->usingClause); i++)
        sql__push(a->arena, &names, arena_strdup(a->arena, strVal(list_nth(n->usingClause, i))));
    if (n->isNatural)
        TRY(natural_names(a, s, l, r, &names));
    if (n->isNatural)
        sql__note_natural(a, sql__leftmost(n->rarg), &names);
    struct name_item *merged = NULL;
    if (n->usingClause || n->isNatural)
        TRY(join_using(a, s, l, r, &names, f, &merged));
    append(a, &ret->items, &l->items);
    append(a, &ret->items, &r->items);
    if (merged)
        sql__push(a->arena, &ret->items, merged);
    if (merged && n->join_using_alias) {
        struct name_item *item = using_alias(a, n->join_using_alias, merged, names.n);
        struct list own = {0};
        sql__push(a->arena, &own, item);
        TRY(check_names(a, &ret->items, &own));
        sql__push(a->arena, &ret->items, item);
    }
    if (n->quals && !(IsA(n->quals, A_Const) &&
                      sql__is_insertion(a->script, ((const A_Const *)n->quals)->location))) {
        struct scope own = {.parent = s->parent,
                            .select = s->select,
                            .items = ret->items,
                            .ctes = s->ctes,
                            .clause = CLAUSE_ON};
        TRY(sql__expr(a, &own, n->quals, &f->on));
        TRY(sql__boolean(a, f->on, "JOIN/ON", &f->on));
        f->on = sql__simplify_condition(a, f->on);
    }
    return NULL;
}

/* Was this join's condition put there by sql_parse()? */
static bool is_open(const struct analysis *a, const Node *n)
{
    if (!IsA(n, JoinExpr))
        return false;
    const Node *on = ((const JoinExpr *)n)->quals;
    return on && IsA(on, A_Const) && sql__is_insertion(a->script, ((const A_Const *)on)->location);
}

static bool in_parentheses(const struct analysis *a, const Node *n)
{
    while (IsA(n, JoinExpr))
        n = ((const JoinExpr *)n)->larg;
    int at = sql__location(n);
    if (at < 0)
        return true;
    while (at > 0 && strchr(" \t\r\n\f", a->script->parsed[at - 1]))
        at--;
    return at > 0 && a->script->parsed[at - 1] == '(';
}

/* "a JOIN b JOIN c ON x" was parsed as a JOIN (b JOIN c ON x) ON true; what it says is
 * (a JOIN b ON true) JOIN c ON x. Works on the parse tree, in place. */
static JoinExpr *regroup(const struct analysis *a, JoinExpr *n)
{
    JoinExpr *right = (JoinExpr *)n->rarg;
    if (!is_open(a, (Node *)n) || !IsA(n->rarg, JoinExpr) || right->alias ||
        in_parentheses(a, n->rarg))
        return n;
    n->rarg = right->larg;
    right->larg = (Node *)regroup(a, n);
    return right;
}

static void hide_from_lateral(const struct list *items, bool hidden)
{
    for (int i = 0; i < items->n; i++)
        ((struct name_item *)items->items[i])->not_lateral = hidden;
}

/* LATERAL on the right sees the left side, unless that is the one that may be missing. */
static struct error *right_side(struct analysis *a, struct scope *s, const JoinExpr *n,
                                const struct joined *left, struct joined *ret)
{
    int before = s->siblings.n;
    bool hidden = n->jointype == PG_JOIN_RIGHT || n->jointype == PG_JOIN_FULL;
    append(a, &s->siblings, &left->items);
    hide_from_lateral(&left->items, hidden);
    TRY(from_node(a, s, n->rarg, ret));
    hide_from_lateral(&left->items, false);
    s->siblings.n = before;
    return NULL;
}

static struct error *join(struct analysis *a, struct scope *s, const JoinExpr *given,
                          struct joined *ret)
{
    const JoinExpr *n = regroup(a, (JoinExpr *)given);
    struct joined l, r;
    TRY(from_node(a, s, n->larg, &l));
    TRY(right_side(a, s, n, &l, &r));
    TRY(check_names(a, &l.items, &r.items));
    struct from *f = ARENA_NEW(a->arena, struct from);
    f->left = l.from;
    f->right = r.from;
    f->join = n->jointype == PG_JOIN_LEFT    ? JOIN_LEFT
              : n->jointype == PG_JOIN_RIGHT ? JOIN_RIGHT
              : n->jointype == PG_JOIN_FULL  ? JOIN_FULL
                                             : JOIN_INNER;
    if (f->join == JOIN_RIGHT || f->join == JOIN_FULL)
        set_nullable(f->left);
    if (f->join == JOIN_LEFT || f->join == JOIN_FULL)
        set_nullable(f->right);
    *ret = (struct joined){.from = f};
    TRY(join_condition(a, s, n, &l, &r, ret));
    return n->alias ? join_alias(a, n->alias, ret) : NULL;
}

/* ---- the tree
 * ----------------------------------------------------------------------------------------- */

static struct error *sample(struct analysis *a, struct scope *s, const RangeTableSample *n,
                            const Node **ret)
{
    const RangeVar *rv = (const RangeVar *)(const void *)n->relation;
    struct cte *c = NULL;
    int above;
    if (IsA(n->relation, RangeVar) && !rv->schemaname)
        TRY(find_cte(a, s, rv->relname, &c, &above));
    return sql__sample(a, n, c != NULL, ret);
}

static struct error *from_node_inner(struct analysis *a, struct scope *s, const Node *n,
                                     struct joined *ret)
{
    switch (nodeTag(n)) {
    case T_RangeVar: {
        struct rte *r = NULL;
        TRY(table_rte(a, s, (const RangeVar *)n, &r));
        leaf(a, s, r, ret);
        return NULL;
    }
    case T_RangeSubselect:
        return subselect(a, s, (const RangeSubselect *)n, ret);
    case T_RangeTableSample: {
        const Node *sub;
        TRY(sample(a, s, (const RangeTableSample *)n, &sub));
        return from_node_inner(a, s, sub, ret);
    }
    case T_RangeFunction: {
        const Node *record;
        struct scope lateral = lateral_scope(s);
        TRY(sql__json_record(a, &lateral, (const RangeFunction *)n, &record));
        if (record)
            return from_node_inner(a, s, record, ret);
        return function(a, s, (const RangeFunction *)n, ret);
    }
    case T_JoinExpr:
        return join(a, s, (const JoinExpr *)n, ret);
    default:
        return sql__unsupported(a, sql__location(n), "Use a table, a subquery or a join.",
                                "this kind of FROM item is not supported");
    }
}

static struct error *from_node(struct analysis *a, struct scope *s, const Node *n,
                               struct joined *ret)
{
    TRY(sql__enter(a, sql__location(n)));
    TRY(from_node_inner(a, s, n, ret));
    sql__leave(a);
    return NULL;
}

struct error *sql__from(struct analysis *a, struct scope *s, const List *items)
{
    int n = list_length(items);
    struct list all = {0};
    /* what a subquery here sees: enclosing queries and WITH, not its siblings */
    struct scope outer = {.parent = s->parent,
                          .select = s->select,
                          .ctes = s->ctes,
                          .with = s->with,
                          .clause = CLAUSE_FROM_FUNCTION};
    s->select->from = ARENA_ARRAY(a->arena, struct from *, MAX(n, 1));
    append(a, &all, &s->items);
    append(a, &outer.siblings, &s->items); /* the target of a write */
    hide_from_lateral(&s->items, true);
    for (int i = 0; i < n; i++) {
        struct joined j;
        TRY(from_node(a, &outer, list_nth(items, i), &j));
        TRY(check_names(a, &all, &j.items));
        append(a, &all, &j.items);
        append(a, &outer.siblings, &j.items);
        s->select->from[s->select->n_from++] = j.from;
    }
    hide_from_lateral(&s->items, false);
    s->items = all;
    s->from_done = true;
    return NULL;
}
