/*
 * Raw parse tree -> struct query: the entry, what all statements share, and what can be said only
 * once a whole statement is known (parameter types, tables used, filters that can run at the scan).
 *
 * The walk goes once over the raw tree. Each expression is typed when it is left (expr.c), names
 * are looked up in a chain of scopes (scope.c), FROM builds the range table (from.c), select.c puts
 * a query level together, write.c INSERT, UPDATE and DELETE, ddl.c and command.c the rest.
 */
#include "sql_int.h"

void sql__push(struct arena *arena, struct list *l, void *item)
{
    if (l->n == l->cap) {
        int cap = l->cap ? l->cap * 2 : 8;
        void **grown = ARENA_ARRAY(arena, void *, cap);
        if (l->n)
            memcpy(grown, l->items, sizeof(void *) * (size_t)l->n);
        l->items = grown;
        l->cap = cap;
    }
    l->items[l->n++] = item;
}

struct error *sql__at(const struct analysis *a, struct error *e, int location)
{
    if (e && location >= 0 && a->script && e->position == 0)
        error_at(e, sql__position(a->script, location));
    return e;
}

struct error *sql__unsupported(const struct analysis *a, int location, const char *hint,
                               const char *what, ...)
{
    va_list ap;
    va_start(ap, what);
    struct buf b = {0};
    buf_vprintf(&b, what, ap);
    va_end(ap);
    struct error *e = error_new(E_UNSUPPORTED, "%s", b.data ? b.data : "");
    buf_done(&b);
    error_hint(e, "%s", hint);
    return sql__at(a, e, location);
}

struct error *sql__enter(struct analysis *a, int location)
{
    if (++a->depth <= SQL_MAX_DEPTH)
        return NULL;
    struct error *e = error_new("54001", "stack depth limit exceeded");
    error_hint(e, "The statement nests more than %d levels deep; split it up.", SQL_MAX_DEPTH);
    return e;
}

void sql__leave(struct analysis *a)
{
    a->depth--;
}

const char *sql__slice(const struct analysis *a, size_t start, size_t end)
{
    return arena_strndup(a->arena, a->script->parsed + start, end - start);
}

/* ---- nodes of the result
 * ----------------------------------------------------------------------------- */

/* FNV over the lower-cased name: tells most labels apart without comparing them. */
static bool label_taken(const struct analysis *a, const char *label)
{
    for (int i = 0; i < a->rtes.n; i++) {
        const struct rte *r = a->rtes.items[i];
        if (strcasecmp(r->label, label) == 0)
            return true;
    }
    for (int i = 0; i < a->ctes.n; i++) {
        const struct cte *c = a->ctes.items[i];
        if (strcasecmp(c->label, label) == 0)
            return true;
    }
    return false;
}

/* A name that nothing else in the statement has, whatever the case of its letters. */
static const char *unique_label(const struct analysis *a, const char *name)
{
    if (strcasecmp(name, "excluded") != 0 && !label_taken(a, name))
        return name;
    for (int i = a->rtes.n;; i++) {
        const char *label = arena_printf(a->arena, "%s_%d", name, i);
        if (!label_taken(a, label))
            return label;
    }
}

struct rte *sql__new_rte(struct analysis *a, enum rte_kind kind, const char *name, int location)
{
    struct rte *r = ARENA_NEW(a->arena, struct rte);
    r->kind = kind;
    r->id = a->rtes.n;
    r->name = arena_strdup(a->arena, name ? name : "");
    r->label = kind == RTE_EXCLUDED ? "excluded" : unique_label(a, name ? r->name : "unnamed");
    r->position = location + 1;
    sql__push(a->arena, &a->rtes, r);
    return r;
}

struct select *sql__new_select(struct analysis *a, enum select_kind kind, struct select *parent)
{
    struct select *s = ARENA_NEW(a->arena, struct select);
    s->kind = kind;
    s->parent = parent;
    sql__push(a->arena, &a->selects, s);
    return s;
}

/* The column of a relation that an expression merely passes on, through subqueries and WITH items;
 * a view is a relation. */
static void find_origin(const struct expr *e, struct result_column *c)
{
    while (e->kind == EXPR_COLUMN && e->col.column >= 0) {
        const struct rte *r = e->col.rte;
        const struct select *s = r->kind == RTE_SUBQUERY                    ? r->select
                                 : r->kind == RTE_CTE && !r->cte->recursive ? r->cte->select
                                                                            : NULL;
        if (r->kind == RTE_TABLE || r->view) {
            c->table = r->view ? catalog_oid(r->view->id) : catalog_table_oid(r->table);
            c->column = e->col.column + 1;
            return;
        }
        if (!s || s->kind != SELECT_PLAIN || e->col.column >= s->n_targets)
            return;
        e = s->targets[e->col.column].expr;
    }
}

void sql__list_columns(struct analysis *a, const struct target *targets, int n)
{
    struct query *q = a->q;
    q->returns = true;
    q->n_columns = n;
    q->columns = ARENA_ARRAY(a->arena, struct result_column, MAX(n, 1));
    for (int i = 0; i < n; i++) {
        const struct expr *e = targets[i].expr;
        struct result_column *c = &q->columns[i];
        *c = (struct result_column){.name = targets[i].name, .type = e->type, .typmod = e->typmod};
        find_origin(e, c);
    }
}

/* ---- filters at the scan
 * ------------------------------------------------------------------------------ */

static bool forbids_push(void *ctx, const struct expr *e)
{
    bool *no = ctx;
    if (e->kind == EXPR_SUBQUERY || e->kind == EXPR_AGG || e->kind == EXPR_WINDOW ||
        (e->kind == EXPR_FUNC && e->call.func->volatile_))
        *no = true;
    return !*no;
}

static bool names_other(void *ctx, const struct expr *e)
{
    const struct rte **only = ctx;
    if (e->kind == EXPR_COLUMN && e->col.rte != *only)
        *only = NULL;
    return *only != NULL;
}

/* Gives each table below `f` the conjuncts that are its own. `e` holds above `f`. */
static void push_one(struct analysis *a, struct from *f, struct expr *e, struct list *filters)
{
    if (!f->rte) {
        if (f->join == JOIN_INNER || f->join == JOIN_LEFT)
            push_one(a, f->left, e, filters);
        if (f->join == JOIN_INNER || f->join == JOIN_RIGHT)
            push_one(a, f->right, e, filters);
        return;
    }
    const struct rte *only = f->rte;
    bool no = false;
    if (f->rte->kind != RTE_TABLE)
        return;
    expr_walk(e, false, names_other, &only);
    expr_walk(e, false, forbids_push, &no);
    if (only && !no && expr_mentions(e, f->rte))
        sql__push(a->arena, &filters[f->rte->id], e);
}

static void push_on(struct analysis *a, struct from *f, struct list *filters)
{
    if (f->rte)
        return;
    push_on(a, f->left, filters);
    push_on(a, f->right, filters);
    struct expr **list;
    int n = expr_conjuncts(f->on, a->arena, &list);
    for (int i = 0; i < n; i++) {
        if (f->join == JOIN_INNER || f->join == JOIN_RIGHT)
            push_one(a, f->left, list[i], filters);
        if (f->join == JOIN_INNER || f->join == JOIN_LEFT)
            push_one(a, f->right, list[i], filters);
    }
}

static void push_filters(struct analysis *a)
{
    struct list *filters = ARENA_ARRAY(a->arena, struct list, MAX(a->rtes.n, 1));
    for (int i = 0; i < a->selects.n; i++) {
        struct select *s = a->selects.items[i];
        if (s->kind != SELECT_PLAIN || s->n_from == 0)
            continue;
        struct expr **list;
        int n = expr_conjuncts(s->where, a->arena, &list);
        for (int k = 0; k < s->n_from; k++) {
            push_on(a, s->from[k], filters);
            for (int j = 0; j < n; j++)
                push_one(a, s->from[k], list[j], filters);
        }
    }
    for (int i = 0; i < a->rtes.n; i++) {
        struct rte *r = a->rtes.items[i];
        r->n_filters = filters[i].n;
        r->filters = (struct expr **)filters[i].items;
    }
}

static void list_tables(struct analysis *a)
{
    struct query *q = a->q;
    q->n_rtes = a->rtes.n;
    q->rtes = (struct rte **)a->rtes.items;
    q->tables = ARENA_ARRAY(a->arena, struct table_use, MAX(a->rtes.n, 1));
    for (int i = 0; i < a->rtes.n; i++) {
        const struct rte *r = q->rtes[i];
        if (r->kind != RTE_TABLE)
            continue;
        int k = 0;
        while (k < q->n_tables && q->tables[k].table != r->table)
            k++;
        if (k == q->n_tables)
            q->tables[q->n_tables++].table = r->table;
        q->tables[k].count++;
        q->tables[k].written |= r->target;
    }
}

/* ---- statements
 * ---------------------------------------------------------------------------------------- */

static struct error *select_statement(struct analysis *a, const SelectStmt *n)
{
    struct query *q = a->q;
    q->kind = QUERY_SELECT;
    q->tag = "SELECT";
    q->counts_rows = true;
    TRY(sql__select(a, NULL, n, &q->select));
    struct select *s = q->select;
    for (int i = 0; i < s->n_targets; i++) {
        if (s->targets[i].expr->type == OID_UNKNOWN)
            TRY(sql__coerce_select_column(a, s, i, OID_TEXT));
    }
    sql__list_columns(a, s->targets, s->n_targets);
    return NULL;
}

/* ALTER TABLE and ALTER INDEX rename whatever has the name: *ret is of which kind that is, or as
 * the statement says. */
static ObjectType renamed_kind(const struct analysis *a, const RenameStmt *n)
{
    const struct index *x;
    bool any = n->renameType == OBJECT_TABLE || n->renameType == OBJECT_INDEX;
    if (n->renameType == OBJECT_COLUMN && n->relationType == OBJECT_TABLE)
        return !sql__lookup_table(a, n->relation) && sql__lookup_view(a, n->relation)
                   ? OBJECT_VIEW
                   : OBJECT_COLUMN;
    if (!any || !n->relation)
        return n->renameType;
    if (sql__lookup_table(a, n->relation))
        return OBJECT_TABLE;
    if (sql__lookup_view(a, n->relation))
        return OBJECT_VIEW;
    if (sql__lookup_sequence(a, n->relation))
        return OBJECT_SEQUENCE;
    return sql__lookup_index(a, n->relation, &x) || sql__lookup_key(a, n->relation) ? OBJECT_INDEX
                                                                                    : n->renameType;
}

static struct error *rename_named(struct analysis *a, const RenameStmt *n, ObjectType kind)
{
    switch (kind) {
    case OBJECT_TABLE:
        TRY(sql__rename_table(a, n));
        break;
    case OBJECT_VIEW:
        TRY(sql__rename_view(a, n));
        break;
    case OBJECT_SEQUENCE:
        TRY(sql__rename_sequence(a, n));
        break;
    default:
        TRY(sql__rename_index(a, n));
    }
    a->q->tag = n->renameType == OBJECT_INDEX ? "ALTER INDEX" : "ALTER TABLE";
    return NULL;
}

static struct error *rename_object(struct analysis *a, const RenameStmt *n,
                                   const struct sql_stmt *stmt)
{
    ObjectType kind = renamed_kind(a, n);
    if (kind != n->renameType)
        return rename_named(a, n, kind);
    if (n->renameType == OBJECT_SEQUENCE)
        return sql__rename_sequence(a, n);
    if (n->renameType == OBJECT_TABLE || n->renameType == OBJECT_MATVIEW)
        return sql__rename_table(a, n);
    if (n->renameType == OBJECT_INDEX)
        return sql__rename_index(a, n);
    if (n->renameType == OBJECT_TABCONSTRAINT)
        return sql__rename_table_constraint(a, n);
    if (n->renameType == OBJECT_SCHEMA)
        return sql__rename_schema(a, n);
    if (n->renameType == OBJECT_DATABASE)
        return sql__rename_database(a, n);
    if (n->renameType == OBJECT_DOMCONSTRAINT)
        return sql__rename_domain_constraint(a, n);
    if (n->renameType == OBJECT_TYPE || n->renameType == OBJECT_DOMAIN)
        return sql__rename_type(a, n);
    if (n->renameType == OBJECT_ATTRIBUTE)
        return sql__rename_attribute(a, n);
    if (n->renameType == OBJECT_VIEW ||
        (n->renameType == OBJECT_COLUMN && n->relationType == OBJECT_VIEW))
        return sql__rename_view(a, n);
    if (n->renameType == OBJECT_COLUMN)
        return sql__rename_table_column(a, n);
    return sql__command(a, (const Node *)n, stmt);
}

static struct error *statement(struct analysis *a, const Node *n, const struct sql_stmt *stmt)
{
    switch (nodeTag(n)) {
    case T_SelectStmt:
        if (((const SelectStmt *)n)->intoClause)
            return sql__select_into(a, (const SelectStmt *)n, stmt);
        return select_statement(a, (const SelectStmt *)n);
    case T_InsertStmt:
        return sql__insert(a, NULL, (const InsertStmt *)n);
    case T_UpdateStmt:
        return sql__update(a, NULL, (const UpdateStmt *)n);
    case T_DeleteStmt:
        return sql__delete(a, NULL, (const DeleteStmt *)n);
    case T_MergeStmt:
        return sql__merge(a, (const MergeStmt *)n);
    case T_CreateStmt:
        return sql__create_table(a, (const CreateStmt *)n);
    case T_IndexStmt:
        return sql__create_index(a, (const IndexStmt *)n);
    case T_CreateSeqStmt:
        return sql__create_sequence(a, (const CreateSeqStmt *)n);
    case T_AlterSeqStmt:
        return sql__alter_sequence(a, (const AlterSeqStmt *)n);
    case T_AlterOwnerStmt:
        return sql__alter_owner(a, (const AlterOwnerStmt *)n);
    case T_AlterTableStmt:
        if (sql__is_owner_change((const AlterTableStmt *)n))
            return sql__change_owner(a, (const AlterTableStmt *)n);
        if (((const AlterTableStmt *)n)->objtype == OBJECT_TYPE)
            return sql__alter_attributes(a, (const AlterTableStmt *)n);
        return sql__alter_table(a, (const AlterTableStmt *)n);
    case T_DropStmt:
        return sql__drop(a, (const DropStmt *)n);
    case T_CreateSchemaStmt:
        return sql__create_schema(a, (const CreateSchemaStmt *)n, stmt);
    case T_CreateTableAsStmt:
        return sql__create_table_as(a, (const CreateTableAsStmt *)n, stmt);
    case T_CreateEnumStmt:
        return sql__create_enum(a, (const CreateEnumStmt *)n);
    case T_CompositeTypeStmt:
        return sql__create_composite(a, (const CompositeTypeStmt *)n);
    case T_CreateDomainStmt:
        return sql__create_domain(a, (const CreateDomainStmt *)n);
    case T_AlterDomainStmt:
        return sql__alter_domain(a, (const AlterDomainStmt *)n);
    case T_DropRoleStmt:
        return sql__drop_role(a, (const DropRoleStmt *)n);
    case T_CreateExtensionStmt:
        return sql__create_extension(a, (const CreateExtensionStmt *)n);
    case T_AlterExtensionStmt:
        return sql__alter_extension(a, (const AlterExtensionStmt *)n);
    case T_AlterEnumStmt:
        return sql__alter_enum(a, (const AlterEnumStmt *)n);
    case T_RefreshMatViewStmt:
        return sql__refresh(a, (const RefreshMatViewStmt *)n);
    case T_CommentStmt:
        return sql__comment(a, (const CommentStmt *)n);
    case T_ViewStmt:
        return sql__create_view(a, (const ViewStmt *)n, stmt);
    case T_AlterObjectSchemaStmt:
        if (((const AlterObjectSchemaStmt *)n)->objectType == OBJECT_TYPE ||
            ((const AlterObjectSchemaStmt *)n)->objectType == OBJECT_DOMAIN)
            return sql__move_type(a, (const AlterObjectSchemaStmt *)n);
        if (((const AlterObjectSchemaStmt *)n)->relation)
            return sql__move_relation(a, (const AlterObjectSchemaStmt *)n);
        return sql__command(a, n, stmt);
    case T_CreatedbStmt:
        return sql__create_database(a, (const CreatedbStmt *)n);
    case T_AlterDatabaseStmt:
        return sql__alter_database(a, (const AlterDatabaseStmt *)n);
    case T_DropdbStmt:
        return sql__drop_database(a, (const DropdbStmt *)n);
    case T_RenameStmt:
        return rename_object(a, (const RenameStmt *)n, stmt);
    case T_TruncateStmt:
        return sql__truncate(a, (const TruncateStmt *)n);
    case T_CopyStmt:
        return sql__copy(a, (const CopyStmt *)n, stmt);
    default:
        return sql__command(a, n, stmt);
    }
}

/* Takes over the types that the client announced. */
static struct error *announce_params(struct analysis *a)
{
    const struct sql_context *c = a->ctx;
    for (int i = 0; i < c->n_params; i++) {
        struct expr *unused;
        struct sql_context any = *c;
        any.no_params = false;
        a->ctx = &any;
        struct error *e = sql__param(a, i + 1, -1, &unused);
        a->ctx = c;
        a->open.n = 0;
        if (e)
            return e;
        uint32_t type = c->param_types[i];
        if (type == OID_UNKNOWN)
            a->lifted = true;
        else if ((a->params[i] = sql__domain_beneath(a, type)))
            a->param_domains[i] = type;
        else if (type && !type_by_oid(type))
            return error_hint(
                error_new(E_UNSUPPORTED, "parameter $%d has an unsupported type (%u)", i + 1, type),
                "Leave the type out (0), or send it as text.");
        else
            a->params[i] = type;
    }
    return NULL;
}

static struct error *finish(struct analysis *a)
{
    struct query *q = a->q;
    TRY(sql__finish_params(a));
    for (int i = 0; i < q->n_columns && q->select; i++)
        q->columns[i].type = q->select->targets[i].expr->type;
    push_filters(a);
    list_tables(a);
    for (int i = 0; i < q->n_rtes; i++)
        TRY(sql__mark_indexed(a, q->rtes[i]));
    for (int i = 0; i < q->n_tables; i++)
        if (q->tables[i].table->unpopulated && !q->tables[i].written)
            return error_hint(error_new("55000", "materialized view \"%s\" has not been populated",
                                        q->tables[i].table->name),
                              "Use the REFRESH MATERIALIZED VIEW command.");
    for (int i = 0; i < q->n_tables; i++)
        q->literals_matter |= sql__index_has_literal(q->tables[i].table);
    sql__find_failure(a);
    return NULL;
}

struct error *sql__analyse_node(const Node *n, const struct sql_stmt *stmt,
                                const struct sql_context *ctx, struct arena *arena,
                                struct query **ret)
{
    struct query *q = ARENA_NEW(arena, struct query);
    struct analysis a = {
        .ctx = ctx, .path = sql__path(ctx, arena), .arena = arena, .script = stmt->script, .q = q};
    q->names = ctx->names ? arena_strdup(arena, ctx->names) : NULL;
    q->style = sql__style(ctx, arena);
    struct style style = q->style;
    style.now = style_now();
    const struct style *before = style_use(&style);
    struct error *e = announce_params(&a);
    e = e ? e : statement(&a, n, stmt);
    e = e ? e : finish(&a);
    style_use(before);
    if (!e)
        *ret = q;
    return e;
}

struct error *sql__analyse_copy(const struct table *t, const int *columns, int n,
                                const struct sql_context *ctx, const struct analysis *outer,
                                struct query **ret)
{
    struct query *q = ARENA_NEW(outer->arena, struct query);
    struct analysis a = {
        .ctx = ctx, .path = outer->path, .arena = outer->arena, .script = outer->script, .q = q};
    q->names = outer->q->names;
    q->style = outer->q->style;
    TRY(announce_params(&a));
    TRY(sql__copy_insert(&a, t, columns, n));
    TRY(finish(&a));
    *ret = q;
    return NULL;
}

/* Was a parameter without a type found to be of a domain? */
static bool has_found_domain(const struct query *q, const struct sql_context *ctx, int n)
{
    bool found = false;
    for (int i = 0; i < n; i++)
        found |= q->param_domains[i] && (i >= ctx->n_params || !ctx->param_types[i]);
    return found;
}

/* A value becomes one of a domain before anything is done with it, be the domain announced or
 * found: so what was found is announced then. */
struct error *sql_analyse(const struct sql_stmt *stmt, const struct sql_context *ctx,
                          struct arena *arena, struct query **ret)
{
    TRY(sql__analyse_node(stmt->node, stmt, ctx, arena, ret));
    const struct query *q = *ret;
    int n = q->n_params - (q->current_of != NULL);
    if (ctx->lifted || !has_found_domain(q, ctx, n))
        return NULL;
    uint32_t *types = ARENA_ARRAY(arena, uint32_t, n);
    for (int i = 0; i < n; i++)
        types[i] = q->param_domains[i] ? q->param_domains[i] : q->params[i];
    struct sql_context told = *ctx;
    told.param_types = types;
    told.n_params = n;
    return sql__analyse_node(stmt->node, stmt, &told, arena, ret);
}

struct error *sql_analyse_text(const char *text, const struct sql_context *ctx, struct arena *arena,
                               struct query **ret)
{
    struct sql_script script;
    TRY(sql_parse(text, arena, &script));
    struct error *e;
    if (script.n_stmts != 1)
        e = error_new(E_SYNTAX, script.n_stmts
                                    ? "cannot insert multiple commands into a prepared statement"
                                    : "no statement given");
    else
        e = sql_analyse(&script.stmts[0], ctx, arena, ret);
    sql_script_done(&script);
    return e;
}

struct error *sql__stored_expr(struct analysis *a, struct scope *s, const char *sql,
                               struct expr **ret)
{
    const char *text = arena_printf(a->arena, "SELECT %s", sql);
    struct sql_script script;
    TRY(sql_parse(text, a->arena, &script));
    struct analysis sub = *a;
    sub.script = &script;
    sub.view = NULL;
    const SelectStmt *n = (const SelectStmt *)script.stmts[0].node;
    const ResTarget *t = linitial(n->targetList);
    struct error *e = sql__expr(&sub, s, t->val, ret);
    sql_script_done(&script);
    if (e)
        e->position = 0; /* it counts in a text that the user did not write */
    const struct sql_script *own = a->script;
    int depth = a->depth;
    struct view_draft *view = a->view;
    *a = sub;
    a->script = own;
    a->view = view;
    a->depth = depth;
    return e;
}
