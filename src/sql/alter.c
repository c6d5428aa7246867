/* ALTER TABLE. */
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
    sql__index_text(a, t, x);
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

struct error *sql__alter_table(struct analysis *a, const AlterTableStmt *n)
{
    const struct table *t;
    a->q->kind = QUERY_ADD_KEY;
    a->q->tag = "ALTER TABLE";
    a->q->writes = true;
    if (n->objtype != OBJECT_TABLE)
        return sql__unsupported(a, n->relation->location, "Drop it and create it anew.",
                                "ALTER of this kind of object is not supported");
    TRY(sql__find_relation(a, n->relation, &t));
    const AlterTableCmd *c = linitial(n->cmds);
    const Constraint *k = (const Constraint *)c->def;
    if (t->id == 0)
        return sql__at(a, error_new("42501", "permission denied for system table \"%s\"", t->name),
                       n->relation->location);
    if (list_length(n->cmds) != 1 || c->subtype != AT_AddConstraint ||
        (k->contype != CONSTR_PRIMARY && k->contype != CONSTR_UNIQUE))
        return sql__unsupported(a, n->relation->location,
                                "Only ALTER TABLE ... ADD PRIMARY KEY (...) and ADD UNIQUE (...) "
                                "exist so far; else create a new table and INSERT INTO ... SELECT.",
                                "this form of ALTER TABLE is not supported");
    return add_key_later(a, t, k);
}
