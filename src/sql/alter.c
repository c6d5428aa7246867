/* ALTER TABLE: what it becomes. Its file is brought to that by the region (region/schema.c). */
#include "sql_int.h"

/* ---- columns
 * -------------------------------------------------------------------------------------------------
 */

static struct error *column_named(const struct table *t, const char *name, int *ret)
{
    *ret = table_column(t, name);
    if (*ret >= 0)
        return NULL;
    return error_new(E_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", name,
                     t->name);
}

static struct error *add_column(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    const ColumnDef *n = (const ColumnDef *)(const void *)c->def;
    if (table_column(t, n->colname) < 0)
        return sql__add_column(a, t, n);
    if (!c->missing_ok)
        return error_new(E_DUPLICATE_COLUMN, "column \"%s\" of relation \"%s\" already exists",
                         n->colname, t->name);
    sql__notice(a, E_DUPLICATE_COLUMN, NULL,
                "column \"%s\" of relation \"%s\" already exists, skipping", n->colname, t->name);
    return NULL;
}

static struct error *change_default(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    int at;
    TRY(column_named(t, c->name, &at));
    struct column *x = &t->columns[at];
    if (x->identity)
        return error_hint(error_new(E_SYNTAX,
                                    "column \"%s\" of relation \"%s\" is an identity column",
                                    x->name, t->name),
                          "Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead.");
    if (x->generated)
        return error_hint(error_new(E_SYNTAX,
                                    "column \"%s\" of relation \"%s\" is a generated column",
                                    x->name, t->name),
                          "Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION instead.");
    x->default_sql = NULL;
    x->sequence = x->default_id = 0;
    return c->def ? sql__set_default(a, t, at, c->def) : NULL;
}

/* ---- triggers: there are none but those that PostgreSQL has for foreign keys
 * ------------------------------------------------------------------------------------------ */

static struct error *nothing(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    return NULL;
}

static struct error *no_trigger(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    return error_new(E_UNDEFINED_OBJECT, "trigger \"%s\" for table \"%s\" does not exist", c->name,
                     t->name);
}

static struct error *disable_foreign_keys(struct analysis *a, struct table *t,
                                          const AlterTableCmd *c)
{
    return sql__unsupported(
        a, -1,
        "Make the foreign keys DEFERRABLE, and SET CONSTRAINTS ALL DEFERRED in "
        "the transaction.",
        "DISABLE TRIGGER ALL is not supported: foreign keys are always checked");
}

/* ---- in PostgreSQL's order
 * ------------------------------------------------------------------------------------------- */

/* What goes makes room for what comes, columns come before what is said about them, keys before
 * foreign keys on them. */
enum alter_pass {
    ALTER_DROP,
    ALTER_TYPE,
    ALTER_ADD_COLUMN,
    ALTER_COLUMN,
    ALTER_CONSTRAINTS,
    ALTER_REST,
    ALTER_PASSES
};

typedef struct error *alter_fn(struct analysis *a, struct table *t, const AlterTableCmd *c);

static const struct {
    int subtype;
    enum alter_pass pass;
    alter_fn *alter; /* NULL: constraints() does it */
} forms[] = {
    {AT_DropConstraint, ALTER_DROP, sql__drop_constraint},
    {AT_DropColumn, ALTER_DROP, sql__drop_column},
    {AT_DropNotNull, ALTER_DROP, sql__drop_not_null},
    {AT_DropIdentity, ALTER_DROP, sql__drop_identity},
    {AT_DropExpression, ALTER_DROP, sql__drop_expression},
    {AT_AlterColumnType, ALTER_TYPE, sql__alter_type},
    {AT_AddColumn, ALTER_ADD_COLUMN, add_column},
    {AT_ColumnDefault, ALTER_COLUMN, change_default},
    {AT_SetNotNull, ALTER_COLUMN, sql__set_not_null},
    {AT_SetIdentity, ALTER_COLUMN, sql__set_identity},
    {AT_AddIdentity, ALTER_REST, sql__add_identity_later},
    {AT_AddConstraint, ALTER_CONSTRAINTS, NULL},
    {AT_ValidateConstraint, ALTER_REST, sql__validate_constraint},
    {AT_AlterConstraint, ALTER_REST, sql__alter_constraint},
    {AT_EnableTrigUser, ALTER_REST, nothing},
    {AT_DisableTrigUser, ALTER_REST, nothing},
    {AT_EnableTrigAll, ALTER_REST, nothing},
    {AT_DisableTrigAll, ALTER_REST, disable_foreign_keys},
    {AT_EnableTrig, ALTER_REST, no_trigger},
    {AT_EnableAlwaysTrig, ALTER_REST, no_trigger},
    {AT_EnableReplicaTrig, ALTER_REST, no_trigger},
    {AT_DisableTrig, ALTER_REST, no_trigger},
    {AT_SetRelOptions, ALTER_REST, sql__alter_options},
    {AT_ResetRelOptions, ALTER_REST, sql__alter_options},
    {AT_SetTableSpace, ALTER_REST, sql__alter_tablespace},
    {AT_SetLogged, ALTER_REST, sql__alter_logged},
    {AT_SetUnLogged, ALTER_REST, sql__alter_logged},
    {AT_SetAccessMethod, ALTER_REST, sql__alter_access},
    {AT_DropOids, ALTER_REST, nothing},
    {AT_ClusterOn, ALTER_REST, sql__cluster_on},
    {AT_DropCluster, ALTER_REST, sql__cluster_on},
    {AT_ReplicaIdentity, ALTER_REST, sql__replica_identity},
    {AT_SetStatistics, ALTER_REST, sql__column_storage},
    {AT_SetStorage, ALTER_REST, sql__column_storage},
    {AT_SetCompression, ALTER_REST, sql__column_storage},
    {AT_SetOptions, ALTER_REST, sql__column_storage},
    {AT_ResetOptions, ALTER_REST, sql__column_storage},
};

static struct error *constraints_of(struct analysis *a, struct table_draft *d,
                                    const AlterTableCmd *c, enum pass pass)
{
    if (c->subtype == AT_AddConstraint)
        return sql__constraint(a, d, (const Constraint *)(const void *)c->def, -1, pass);
    const ColumnDef *n = (const ColumnDef *)(const void *)c->def;
    int column = c->subtype == AT_AddColumn ? table_column(d->t, n->colname) : -1;
    if (column < a->q->alter_table.table->n_columns) /* IF NOT EXISTS: it was there */
        return NULL;
    for (int i = 0; i < list_length(n->constraints); i++)
        TRY(sql__constraint(a, d, list_nth(n->constraints, i), column, pass));
    return NULL;
}

static struct error *constraints(struct analysis *a, struct table *t, const List *cmds)
{
    struct table_draft d;
    int n_keys = t->n_keys, n_checks = t->n_checks, n_foreign_keys = t->n_foreign_keys;
    sql__draft_open(a, t, &d);
    for (enum pass pass = PASS_KEYS; pass <= PASS_FOREIGN; pass++)
        for (int i = 0; i < list_length(cmds); i++)
            TRY(constraints_of(a, &d, list_nth(cmds, i), pass));
    sql__draft_close(a, &d);
    return sql__new_constraints(a, t, n_keys, n_checks, n_foreign_keys);
}

static struct error *alter(struct analysis *a, struct table *t, const AlterTableCmd *c,
                           enum alter_pass pass)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        bool drop_default = c->subtype == AT_ColumnDefault && !c->def;
        enum alter_pass own = drop_default ? ALTER_DROP : forms[i].pass;
        if (forms[i].subtype == (int)c->subtype)
            return own == pass && forms[i].alter ? forms[i].alter(a, t, c) : NULL;
    }
    return sql__unsupported(
        a, -1, "See docs/compatibility.md; else create a new table and INSERT INTO ... SELECT.",
        "this form of ALTER TABLE is not supported");
}

static struct error *begin(struct analysis *a, const RangeVar *rv, bool missing_ok,
                           struct table **ret)
{
    struct query *q = a->q;
    q->kind = QUERY_ALTER_TABLE;
    q->tag = "ALTER TABLE";
    q->writes = true;
    *ret = NULL;
    struct error *e = sql__find_relation(a, rv, &q->alter_table.table);
    if (missing_ok && error_is(e, E_UNDEFINED_TABLE)) {
        error_free(e);
        sql__notice(a, "00000", NULL, "relation \"%s\" does not exist, skipping", rv->relname);
        return NULL;
    }
    TRY(e);
    const struct table *t = q->alter_table.table;
    if (t->id == 0)
        return error_new("42501", "permission denied: \"%s\" is a system catalog", t->name);
    *ret = q->alter_table.next = ARENA_NEW(a->arena, struct table);
    **ret = *t;
    return NULL;
}

static struct error *check_materialized(const struct analysis *a, const struct table *t)
{
    if (!t->query)
        return NULL;
    return sql__unsupported(a, -1, "Drop it, and create it anew.",
                            "ALTER of a materialized view is not supported");
}

struct error *sql__alter_table(struct analysis *a, const AlterTableStmt *n)
{
    struct table *next;
    if (n->objtype == OBJECT_INDEX)
        return sql__alter_index(a, n);
    if (n->objtype == OBJECT_VIEW)
        return sql__alter_view(a, n);
    if (n->objtype != OBJECT_TABLE)
        return sql__unsupported(a, n->relation->location, "Drop it and create it anew.",
                                "ALTER of this kind of object is not supported");
    TRY(begin(a, n->relation, n->missing_ok, &next));
    if (!next)
        return NULL;
    TRY(check_materialized(a, next));
    int added = list_length(n->cmds);
    struct column *columns = ARENA_ARRAY(a->arena, struct column, next->n_columns + added);
    memcpy(columns, next->columns, sizeof(*columns) * (size_t)next->n_columns);
    next->columns = columns;
    for (enum alter_pass pass = 0; pass < ALTER_PASSES; pass++) {
        for (int i = 0; i < list_length(n->cmds); i++)
            TRY(alter(a, next, list_nth(n->cmds, i), pass));
        if (pass == ALTER_CONSTRAINTS)
            TRY(constraints(a, next, n->cmds));
    }
    return sql__finish_columns(a, next);
}

const struct table *sql__table_now(const struct analysis *a, uint64_t id)
{
    const struct query *q = a->q;
    if (q->kind == QUERY_ALTER_TABLE && q->alter_table.table && q->alter_table.table->id == id)
        return q->alter_table.next;
    for (int i = 0; i < q->n_also; i++)
        if (q->also[i].old->id == id)
            return q->also[i].next;
    return catalog_table_by_id(a->ctx->view, id);
}

/* ---- new names
 * ---------------------------------------------------------------------------------------------- */

/* Views that read the table. What they become is made as a change of objects, of its own. */
struct error *sql__views_follow(struct analysis *a, const struct new_name *n)
{
    struct query *q = a->q, changes = {0};
    changes.style = q->style;
    a->q = &changes;
    struct error *e = sql__rename_in_views(a, n);
    a->q = q;
    q->n_views = changes.objects.n;
    q->views = changes.objects.changes;
    return e;
}

void sql__views_go(struct analysis *a, const struct list *views)
{
    struct query *q = a->q;
    struct object_change *all =
        ARENA_ARRAY(a->arena, struct object_change, q->n_views + views->n + 1);
    for (int i = 0; i < q->n_views; i++)
        all[i] = q->views[i];
    for (int i = 0; i < views->n; i++) {
        bool there = false;
        for (int k = 0; k < q->n_views; k++)
            there |= all[k].old == views->items[i];
        if (!there)
            all[q->n_views++] = (struct object_change){views->items[i], NULL};
    }
    q->views = all;
}

struct error *sql__views_go_with(struct analysis *a, const struct table *t,
                                 const struct list *views, const char *form)
{
    for (int i = 0; i < views->n; i++) {
        const struct object *view = views->items[i];
        bool temporary = strcmp(view->schema, CATALOG_TEMP_SCHEMA) == 0;
        if (!view->relation || temporary != table_is_temporary(t))
            return sql__unsupported(a, -1, "Drop the view first.", "%s ... CASCADE cannot drop %s",
                                    form, sql__describe_view(a, view));
    }
    sql__views_go(a, views);
    return NULL;
}

struct error *sql__rename_table(struct analysis *a, const RenameStmt *n)
{
    struct table *next;
    TRY(begin(a, n->relation, n->missing_ok, &next));
    if (!next)
        return NULL;
    if (n->renameType == OBJECT_MATVIEW) {
        a->q->tag = "ALTER MATERIALIZED VIEW";
        TRY(sql__not_materialized(next));
    }
    TRY(sql__check_identifier(a, "table", n->newname, -1));
    if (sql__relation_exists(a, next->schema, n->newname))
        return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists", n->newname);
    TRY(sql__views_follow(a, &(struct new_name){.id = next->id,
                                                .schema = next->schema,
                                                .name = n->newname,
                                                .column = -1,
                                                .what = "renaming a table"}));
    next->file_name = arena_strdup(a->arena, table_file_name(a->q->alter_table.table));
    next->name = arena_strdup(a->arena, n->newname);
    return NULL;
}

struct error *sql__rename_table_constraint(struct analysis *a, const RenameStmt *n)
{
    struct table *next;
    TRY(begin(a, n->relation, n->missing_ok, &next));
    if (!next)
        return NULL;
    TRY(sql__rename_constraint(a, next, n->subname, n->newname));
    return sql__table_text(a, next);
}

struct error *sql__rename_table_column(struct analysis *a, const RenameStmt *n)
{
    struct table *next;
    TRY(begin(a, n->relation, n->missing_ok, &next));
    return next ? sql__rename_column(a, next, n->subname, n->newname) : NULL;
}
