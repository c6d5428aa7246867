/* ALTER TABLE: what it becomes. Its file is brought to that by the region (region/schema.c). */
#include "sql_int.h"

/* ---- ALTER TABLE .. ADD PRIMARY KEY | UNIQUE
 * --------------------------------------------------------------------------- */

static struct error *add_key_later(struct analysis *a, const struct table *t, const Constraint *n)
{
    struct query *q = a->q;
    struct key *k = ARENA_NEW(a->arena, struct key);
    struct index *x = ARENA_NEW(a->arena, struct index);
    k->primary = n->contype == CONSTR_PRIMARY;
    TRY(sql__check_constraint_form(a, n));
    TRY(sql__key_columns(a, t, n->keys, n->location, &k->n_columns, &k->columns));
    for (int i = 0; i < t->n_keys && k->primary; i++) {
        if (t->keys[i].primary)
            return error_new("42P16", "multiple primary keys for table \"%s\" are not allowed",
                             t->name);
    }
    const char *columns = k->primary ? NULL : sql__joined_columns(a, t, k->columns, k->n_columns);
    if (n->conname) {
        k->name = arena_strdup(a->arena, n->conname);
        if (sql__relation_exists(a, t->schema, k->name))
            return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists", k->name);
    } else {
        k->name = sql__free_index_name(a, t, columns, k->primary ? "pkey" : "key");
    }
    *x = (struct index){.name = k->name,
                        .unique = true,
                        .n_columns = k->n_columns,
                        .columns = k->columns,
                        .descending = ARENA_ARRAY(a->arena, bool, k->n_columns)};
    TRY(sql__index_text(a, t, x));
    q->create_index.table = t;
    q->create_index.index = x;
    q->create_index.key = k;
    if (!k->primary)
        return NULL;
    struct buf text = {0};
    for (int i = 0; i < k->n_columns; i++) {
        const char *name = t->columns[k->columns[i]].name;
        buf_puts(&text, i ? " UNION ALL " : "");
        buf_puts(&text, "SELECT ");
        struct value v = {.kind = VALUE_TEXT, .s = {name, strlen(name)}};
        sql_emit_value(&v, OID_TEXT, &text);
        buf_puts(&text, " WHERE EXISTS(SELECT 1 FROM ");
        sql_quote(table_file_name(t), &text);
        buf_puts(&text, " WHERE ");
        sql_quote(name, &text);
        buf_puts(&text, " IS NULL)");
    }
    q->create_index.null_check = arena_strdup(a->arena, text.data);
    buf_done(&text);
    return NULL;
}

/* ---- the other forms
 * --------------------------------------------------------------------------------------------- */

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
    x->default_sql = NULL;
    x->sequence = x->default_id = 0;
    return c->def ? sql__set_default(a, t, at, c->def) : NULL;
}

static struct error *alter(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    switch (c->subtype) {
    case AT_AddColumn:
        return add_column(a, t, c);
    case AT_ColumnDefault:
        return change_default(a, t, c);
    default:
        return sql__unsupported(
            a, -1, "See docs/compatibility.md; else create a new table and INSERT INTO ... SELECT.",
            "this form of ALTER TABLE is not supported");
    }
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
        return sql__at(a, error_new("42501", "permission denied for system table \"%s\"", t->name),
                       rv->location);
    *ret = q->alter_table.next = ARENA_NEW(a->arena, struct table);
    **ret = *t;
    return NULL;
}

static bool adds_key(const AlterTableStmt *n)
{
    const AlterTableCmd *c = linitial(n->cmds);
    const Constraint *k = (const Constraint *)(const void *)c->def;
    return list_length(n->cmds) == 1 && c->subtype == AT_AddConstraint &&
           (k->contype == CONSTR_PRIMARY || k->contype == CONSTR_UNIQUE);
}

struct error *sql__alter_table(struct analysis *a, const AlterTableStmt *n)
{
    struct table *next;
    if (n->objtype != OBJECT_TABLE)
        return sql__unsupported(a, n->relation->location, "Drop it and create it anew.",
                                "ALTER of this kind of object is not supported");
    TRY(begin(a, n->relation, n->missing_ok, &next));
    if (!next)
        return NULL;
    const AlterTableCmd *first = linitial(n->cmds);
    if (adds_key(n)) {
        const struct table *t = a->q->alter_table.table;
        a->q->kind = QUERY_ADD_KEY;
        memset(&a->q->create_index, 0, sizeof(a->q->create_index));
        return add_key_later(a, t, (const Constraint *)(const void *)first->def);
    }
    int added = list_length(n->cmds);
    struct column *columns = ARENA_ARRAY(a->arena, struct column, next->n_columns + added);
    memcpy(columns, next->columns, sizeof(*columns) * (size_t)next->n_columns);
    next->columns = columns;
    for (int i = 0; i < list_length(n->cmds); i++)
        TRY(alter(a, next, list_nth(n->cmds, i)));
    return sql__table_text(a, next);
}

/* ---- new names
 * ---------------------------------------------------------------------------------------------- */

struct error *sql__rename_table(struct analysis *a, const RenameStmt *n)
{
    struct table *next;
    TRY(begin(a, n->relation, n->missing_ok, &next));
    if (!next)
        return NULL;
    TRY(sql__check_identifier(a, "table", n->newname, -1));
    if (sql__relation_exists(a, next->schema, n->newname))
        return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists", n->newname);
    TRY(sql__refuse_if_viewed(a, next->id, -1, "renaming a table"));
    next->file_name = arena_strdup(a->arena, table_file_name(a->q->alter_table.table));
    next->name = arena_strdup(a->arena, n->newname);
    return NULL;
}
