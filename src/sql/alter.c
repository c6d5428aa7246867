/* ALTER TABLE: what it becomes. Its file is brought to that by the region (region/schema.c). */
#include "sql_int.h"

/* ---- columns
 * -------------------------------------------------------------------------------------------------
 */

struct error *sql__column_named(const struct table *t, const char *name, int *ret)
{
    *ret = table_column(t, name);
    if (*ret >= 0)
        return NULL;
    if (sql__is_system_column(name))
        return error_new(E_UNSUPPORTED, "cannot alter system column \"%s\"", name);
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
    TRY(sql__column_named(t, c->name, &at));
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

/* What is said of a foreign key by the table that has it, or by the one that it references. */
static void switch_key(struct foreign_key *fk, bool of_parent, bool off)
{
    *(of_parent ? &fk->parent_off : &fk->child_off) = off;
    fk->was_off |= off;
}

/* Foreign keys of other tables that reference t. */
static struct error *switch_references(struct analysis *a, const struct table *t, bool off)
{
    for (size_t i = 0; i < a->ctx->view->n_tables; i++) {
        const struct table *from = a->ctx->view->tables[i];
        bool changes = false;
        for (int k = 0; from->id != t->id && k < from->n_foreign_keys; k++)
            changes |=
                from->foreign_keys[k].table == t->id && from->foreign_keys[k].parent_off != off;
        if (!changes)
            continue;
        struct table *next = sql__also_changed(a, from);
        for (int k = 0; k < next->n_foreign_keys; k++)
            if (next->foreign_keys[k].table == t->id)
                switch_key(&next->foreign_keys[k], true, off);
        TRY(sql__table_text(a, next));
    }
    return NULL;
}

/* ENABLE and DISABLE TRIGGER ALL: of what triggers do in PostgreSQL there are keys here. */
static struct error *switch_keys(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    bool off = c->subtype == AT_DisableTrigAll;
    struct foreign_key *keys = ARENA_ARRAY(a->arena, struct foreign_key, t->n_foreign_keys + 1);
    struct key *unique = ARENA_ARRAY(a->arena, struct key, t->n_keys + 1);
    for (int i = 0; i < t->n_foreign_keys; i++) {
        keys[i] = t->foreign_keys[i];
        switch_key(&keys[i], false, off);
        if (keys[i].table == t->id)
            switch_key(&keys[i], true, off);
    }
    for (int i = 0; i < t->n_keys; i++) {
        unique[i] = t->keys[i];
        unique[i].off = unique[i].deferrable && off;
    }
    t->foreign_keys = keys;
    t->keys = unique;
    return switch_references(a, t, off);
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

static const struct form {
    int subtype;
    const char *name; /* in messages */
    enum alter_pass pass;
    alter_fn *alter; /* NULL: constraints() does it */
} forms[] = {
    {AT_DropConstraint, "DROP CONSTRAINT", ALTER_DROP, sql__drop_constraint},
    {AT_DropColumn, "DROP COLUMN", ALTER_DROP, sql__drop_column},
    {AT_DropNotNull, "ALTER COLUMN ... DROP NOT NULL", ALTER_DROP, sql__drop_not_null},
    {AT_DropIdentity, "ALTER COLUMN ... DROP IDENTITY", ALTER_DROP, sql__drop_identity},
    {AT_DropExpression, "ALTER COLUMN ... DROP EXPRESSION", ALTER_DROP, sql__drop_expression},
    {AT_AlterColumnType, "ALTER COLUMN ... SET DATA TYPE", ALTER_TYPE, sql__alter_type},
    {AT_AddColumn, "ADD COLUMN", ALTER_ADD_COLUMN, add_column},
    {AT_ColumnDefault, "ALTER COLUMN ... SET DEFAULT", ALTER_COLUMN, change_default},
    {AT_SetNotNull, "ALTER COLUMN ... SET NOT NULL", ALTER_COLUMN, sql__set_not_null},
    {AT_SetIdentity, "ALTER COLUMN ... SET", ALTER_REST, sql__set_identity},
    {AT_AddIdentity, "ALTER COLUMN ... ADD IDENTITY", ALTER_REST, sql__add_identity_later},
    {AT_AddConstraint, "ADD CONSTRAINT", ALTER_CONSTRAINTS, NULL},
    {AT_ValidateConstraint, "VALIDATE CONSTRAINT", ALTER_REST, sql__validate_constraint},
    {AT_AlterConstraint, "ALTER CONSTRAINT", ALTER_REST, sql__alter_constraint},
    {AT_EnableTrigUser, "ENABLE TRIGGER USER", ALTER_REST, nothing},
    {AT_DisableTrigUser, "DISABLE TRIGGER USER", ALTER_REST, nothing},
    {AT_EnableTrigAll, "ENABLE TRIGGER ALL", ALTER_REST, switch_keys},
    {AT_DisableTrigAll, "DISABLE TRIGGER ALL", ALTER_REST, switch_keys},
    {AT_EnableTrig, "ENABLE TRIGGER", ALTER_REST, no_trigger},
    {AT_EnableAlwaysTrig, "ENABLE ALWAYS TRIGGER", ALTER_REST, no_trigger},
    {AT_EnableReplicaTrig, "ENABLE REPLICA TRIGGER", ALTER_REST, no_trigger},
    {AT_DisableTrig, "DISABLE TRIGGER", ALTER_REST, no_trigger},
    {AT_SetRelOptions, "SET", ALTER_REST, sql__alter_options},
    {AT_ResetRelOptions, "RESET", ALTER_REST, sql__alter_options},
    {AT_SetTableSpace, "SET TABLESPACE", ALTER_REST, sql__alter_tablespace},
    {AT_SetLogged, "SET LOGGED", ALTER_REST, sql__alter_logged},
    {AT_SetUnLogged, "SET UNLOGGED", ALTER_REST, sql__alter_logged},
    {AT_SetAccessMethod, "SET ACCESS METHOD", ALTER_REST, sql__alter_access},
    {AT_DropOids, "SET WITHOUT OIDS", ALTER_REST, nothing},
    {AT_ClusterOn, "CLUSTER ON", ALTER_REST, sql__cluster_on},
    {AT_DropCluster, "SET WITHOUT CLUSTER", ALTER_REST, sql__cluster_on},
    {AT_ReplicaIdentity, "REPLICA IDENTITY", ALTER_REST, sql__replica_identity},
    {AT_SetStatistics, "ALTER COLUMN ... SET STATISTICS", ALTER_REST, sql__column_storage},
    {AT_SetStorage, "ALTER COLUMN ... SET STORAGE", ALTER_REST, sql__column_storage},
    {AT_SetCompression, "ALTER COLUMN ... SET COMPRESSION", ALTER_REST, sql__column_storage},
    {AT_SetOptions, "ALTER COLUMN ... SET", ALTER_REST, sql__column_storage},
    {AT_ResetOptions, "ALTER COLUMN ... RESET", ALTER_REST, sql__column_storage},
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

/* What is no table may have another name or another schema; the rest is not for it. */
static struct error *not_for(const struct analysis *a, const AlterTableStmt *n, const char *kinds)
{
    const AlterTableCmd *c = linitial(n->cmds);
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (forms[i].subtype == (int)c->subtype)
            return error_detail(error_new("42809",
                                          "ALTER action %s cannot be performed on relation \"%s\"",
                                          forms[i].name, n->relation->relname),
                                "This operation is not supported for %s.", kinds);
    return error_new("42809", "\"%s\" is not a table", n->relation->relname);
}

static bool is_for_views(const AlterTableStmt *n)
{
    AlterTableType first = ((const AlterTableCmd *)linitial(n->cmds))->subtype;
    return first == AT_ColumnDefault || first == AT_SetRelOptions || first == AT_ResetRelOptions;
}

/* ALTER TABLE of something else. *ret_done: it is no table. */
static struct error *alter_other(struct analysis *a, const AlterTableStmt *n, bool *ret_done)
{
    const struct index *x;
    *ret_done = !sql__lookup_table(a, n->relation);
    if (!*ret_done)
        return NULL;
    if (sql__lookup_view(a, n->relation)) {
        if (!is_for_views(n))
            return not_for(a, n, "views");
        TRY(sql__alter_view(a, n));
        a->q->tag = "ALTER TABLE";
        return NULL;
    }
    if (sql__lookup_sequence(a, n->relation))
        return not_for(a, n, "sequences");
    if (sql__lookup_index(a, n->relation, &x) || sql__lookup_key(a, n->relation))
        return not_for(a, n, "indexes");
    *ret_done = false;
    return NULL;
}

static struct error *check_materialized(const struct analysis *a, const struct table *t)
{
    if (!t->query)
        return NULL;
    return sql__unsupported(a, -1, "Drop it, and create it anew.",
                            "ALTER of a materialized view is not supported");
}

/* Triggers: there are none, but for keys. Rails says this of all tables for each fixture, beside
 * transactions that are open; it is to wait for nobody. */
static bool is_about_triggers(const AlterTableStmt *n)
{
    bool all = true;
    for (int i = 0; i < list_length(n->cmds); i++) {
        AlterTableType type = ((const AlterTableCmd *)list_nth(n->cmds, i))->subtype;
        all &= type == AT_EnableTrigUser || type == AT_DisableTrigUser ||
               type == AT_EnableTrigAll || type == AT_DisableTrigAll;
    }
    return all;
}

static bool keys_differ(const struct table *old, const struct table *next)
{
    bool differ = false;
    for (int i = 0; i < next->n_foreign_keys; i++)
        differ |= old->foreign_keys[i].child_off != next->foreign_keys[i].child_off;
    for (int i = 0; i < next->n_keys; i++)
        differ |= old->keys[i].off != next->keys[i].off;
    return differ;
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
    bool done;
    TRY(alter_other(a, n, &done));
    if (done)
        return NULL;
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
    if (is_about_triggers(n) && !keys_differ(a->q->alter_table.table, next) && !a->q->n_also) {
        a->q->alter_table.table = NULL; /* nothing happens */
        a->q->alter_table.next = NULL;
        return NULL;
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

/* ---- another schema ------------------------------------------------------------------------- */

static struct error *free_in_schema(const struct analysis *a, const char *schema, const char *name)
{
    return sql__relation_exists(a, schema, name)
               ? error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists in schema \"%s\"",
                           name, schema)
               : NULL;
}

/* What shares the table's schema. */
static struct error *parts_free_in_schema(const struct analysis *a, const struct table *t,
                                          const char *schema)
{
    TRY(free_in_schema(a, schema, t->name));
    for (int i = 0; i < t->n_indexes; i++)
        TRY(free_in_schema(a, schema, t->indexes[i].name));
    for (int i = 0; i < t->n_keys; i++)
        TRY(free_in_schema(a, schema, t->keys[i].name));
    return NULL;
}

/* The sequences that the table owns come along. */
static struct error *move_sequences(struct analysis *a, const struct table *t, const char *schema)
{
    struct query *q = a->q;
    q->alter_table.altered = ARENA_ARRAY(a->arena, struct sequence_change, t->n_owned + 1);
    for (int i = 0; i < t->n_owned; i++) {
        const struct sequence *s = catalog_sequence_by_id(a->ctx->view, t->owned[i].sequence);
        if (!s || strcmp(s->schema, t->schema) != 0)
            continue;
        TRY(free_in_schema(a, schema, s->name));
        TRY(sql__sequence_keeps_name(a, s, "moving a sequence"));
        struct sequence *next = ARENA_NEW(a->arena, struct sequence);
        *next = *s;
        next->schema = arena_strdup(a->arena, schema);
        q->alter_table.altered[q->alter_table.n_altered++] =
            (struct sequence_change){.old = s, .next = next};
    }
    return NULL;
}

/* In the file it keeps its name, as do its indexes. */
static struct error *move_table(struct analysis *a, const AlterObjectSchemaStmt *n)
{
    struct table *next;
    TRY(begin(a, n->relation, n->missing_ok, &next));
    if (!next)
        return NULL;
    const struct table *t = a->q->alter_table.table;
    if (n->objectType == OBJECT_MATVIEW)
        TRY(sql__not_materialized(next));
    if (table_is_temporary(t) || sql__is_temporary(n->newschema))
        return error_new(E_UNSUPPORTED, "cannot move objects into or out of temporary schemas");
    TRY(sql__check_schema(a, n->newschema));
    if (strcmp(t->schema, n->newschema) == 0)
        return NULL;
    TRY(parts_free_in_schema(a, t, n->newschema));
    TRY(move_sequences(a, t, n->newschema));
    TRY(sql__views_follow(
        a, &(struct new_name){
               .id = t->id, .schema = n->newschema, .column = -1, .what = "moving a table"}));
    next->file_name = arena_strdup(a->arena, table_file_name(t));
    next->schema = arena_strdup(a->arena, n->newschema);
    return NULL;
}

struct error *sql__move_relation(struct analysis *a, const AlterObjectSchemaStmt *n)
{
    static const char *const tags[] = {[OBJECT_TABLE] = "ALTER TABLE",
                                       [OBJECT_VIEW] = "ALTER VIEW",
                                       [OBJECT_MATVIEW] = "ALTER MATERIALIZED VIEW",
                                       [OBJECT_SEQUENCE] = "ALTER SEQUENCE"};
    const struct index *x;
    bool any = n->objectType == OBJECT_TABLE, table = sql__lookup_table(a, n->relation) != NULL;
    if (any && !table && (sql__lookup_index(a, n->relation, &x) || sql__lookup_key(a, n->relation)))
        return error_hint(
            error_new("42809", "cannot change schema of index \"%s\"", n->relation->relname),
            "Change the schema of the table instead.");
    if (n->objectType == OBJECT_VIEW || (any && !table && sql__lookup_view(a, n->relation)))
        TRY(sql__move_view(a, n));
    else if (n->objectType == OBJECT_SEQUENCE ||
             (any && !table && sql__lookup_sequence(a, n->relation)))
        TRY(sql__move_sequence(a, n));
    else
        TRY(move_table(a, n));
    a->q->tag = tags[n->objectType];
    return NULL;
}

struct error *sql__rename_table_constraint(struct analysis *a, const RenameStmt *n)
{
    struct table *next;
    if (!sql__lookup_table(a, n->relation) && sql__lookup_view(a, n->relation))
        return error_new(E_UNDEFINED_OBJECT, "constraint \"%s\" for table \"%s\" does not exist",
                         n->subname, n->relation->relname);
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
