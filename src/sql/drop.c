/* DROP TABLE, DROP INDEX, TRUNCATE. */
#include "sql_int.h"

/* ---- DROP
 * ------------------------------------------------------------------------------------------------------------------
 */

RangeVar sql__range_var(const List *names)
{
    int n = list_length(names);
    RangeVar rv = {.relname = strVal(llast(names)), .location = -1};
    if (n > 1)
        rv.schemaname = strVal(list_nth(names, n - 2));
    if (n > 2)
        rv.catalogname = strVal(list_nth(names, n - 3));
    return rv;
}

static bool listed(const struct table *const *tables, int n, const struct table *t)
{
    for (int i = 0; i < n; i++) {
        if (tables[i] == t)
            return true;
    }
    return false;
}

/* A foreign key of a table outside the list that points into it. */
static const struct foreign_key *outside_reference(const struct analysis *a,
                                                   const struct table *const *tables, int n,
                                                   const struct table **ret_from,
                                                   const struct table **ret_to)
{
    const struct catalog_view *v = a->ctx->view;
    for (size_t i = 0; v && i < v->n_tables; i++) {
        const struct table *from = v->tables[i];
        if (listed(tables, n, from))
            continue;
        for (int k = 0; k < from->n_foreign_keys; k++) {
            const struct table *to = catalog_table_by_id(v, from->foreign_keys[k].table);
            if (!to || !listed(tables, n, to))
                continue;
            *ret_from = from;
            *ret_to = to;
            return &from->foreign_keys[k];
        }
    }
    return NULL;
}

static bool goes(const struct analysis *a, const struct table *t)
{
    for (int i = 0; i < a->q->drop.n; i++)
        if (a->q->drop.tables[i]->id == t->id)
            return true;
    return false;
}

static struct error *no_schema(struct analysis *a, const char *name, bool missing_ok)
{
    if (!missing_ok)
        return sql__no_schema(name);
    sql__notice(a, "00000", NULL, "schema \"%s\" does not exist, skipping", name);
    return NULL;
}

static struct error *drop_one_table(struct analysis *a, RangeVar *rv, bool materialized,
                                    bool missing_ok)
{
    struct query *q = a->q;
    const struct table *t = sql__lookup_table(a, rv);
    const struct index *x;
    const char *what = materialized ? "materialized view" : "table";
    if (!t && sql__lookup_view(a, rv))
        return error_hint(error_new("42809", "\"%s\" is not a %s", rv->relname, what),
                          "Use DROP VIEW to remove a view.");
    if (t && materialized && !t->query)
        return error_hint(sql__not_materialized(t), "Use DROP TABLE to remove a table.");
    if (t && !materialized && t->query)
        return error_hint(error_new("42809", "\"%s\" is not a table", rv->relname),
                          "Use DROP MATERIALIZED VIEW to remove a materialized view.");
    if (!t && (sql__lookup_index(a, rv, &x) || sql__lookup_key(a, rv)))
        return error_hint(error_new("42809", "\"%s\" is not a table", rv->relname),
                          "Use DROP INDEX to remove an index.");
    if (!t && rv->schemaname && !catalog_schema(a->ctx->view, rv->schemaname))
        return no_schema(a, rv->schemaname, missing_ok);
    if (!t && sql__lookup_sequence(a, rv))
        return error_hint(error_new("42809", "\"%s\" is not a table", rv->relname),
                          "Use DROP SEQUENCE to remove a sequence.");
    if (!t && missing_ok) {
        sql__notice(a, "00000", NULL, "%s \"%s\" does not exist, skipping", what, rv->relname);
        return NULL;
    }
    if (!t)
        return error_new(E_UNDEFINED_TABLE, "%s \"%s\" does not exist", what, rv->relname);
    if (t->id == 0)
        return error_new("42501", "permission denied: \"%s\" is a system table", t->name);
    if (!listed(q->drop.tables, q->drop.n, t))
        q->drop.tables[q->drop.n++] = t;
    return NULL;
}

/* A foreign key may need a unique index. */
static struct error *check_needed(struct analysis *a, const struct table *t, const struct index *x)
{
    struct dependents deps = {0};
    const struct catalog_view *v = a->ctx->view;
    const char *name = arena_printf(a->arena, "index %s", sql__shown_name(a, t->schema, x->name));
    for (size_t i = 0; i < v->n_tables && x->unique; i++) {
        const struct table *from = v->tables[i];
        for (int k = 0; k < from->n_foreign_keys; k++) {
            const struct foreign_key *fk = &from->foreign_keys[k];
            const char *needs = fk->table == t->id ? sql__key_of_reference(t, fk) : NULL;
            if (needs && strcmp(needs, x->name) == 0)
                sql__depends(a, &deps, fk->id,
                             arena_printf(a->arena, "constraint %s on table %s", fk->name,
                                          sql__shown_name(a, from->schema, from->name)),
                             name);
        }
    }
    if (!deps.list.n)
        return NULL;
    if (!a->q->drop.cascade)
        return sql__has_dependents(a, name, &deps);
    return sql__unsupported(a, -1, "Drop the foreign keys first.",
                            "DROP INDEX ... CASCADE does not drop foreign keys");
}

static struct error *drop_one_index(struct analysis *a, RangeVar *rv, bool missing_ok)
{
    struct query *q = a->q;
    const struct index *x = NULL;
    const struct table *t = sql__lookup_index(a, rv, &x), *keyed = sql__lookup_key(a, rv);
    if (!t && sql__lookup_table(a, rv))
        return error_hint(error_new("42809", "\"%s\" is not an index", rv->relname),
                          "Use DROP TABLE to remove a table.");
    if (keyed) {
        const char *on = sql__shown_name(a, keyed->schema, keyed->name);
        struct error *e =
            error_new("2BP01", "cannot drop index %s because constraint %s on table %s requires it",
                      sql__shown_name(a, keyed->schema, rv->relname), rv->relname, on);
        return error_hint(e, "You can drop constraint %s on table %s instead.", rv->relname, on);
    }
    if (!t && rv->schemaname && !catalog_schema(a->ctx->view, rv->schemaname))
        return no_schema(a, rv->schemaname, missing_ok);
    if (!t && missing_ok) {
        sql__notice(a, "00000", NULL, "index \"%s\" does not exist, skipping", rv->relname);
        return NULL;
    }
    if (!t)
        return error_new(E_UNDEFINED_OBJECT, "index \"%s\" does not exist", rv->relname);
    for (int i = 0; i < q->drop.n; i++)
        if (q->drop.indexes[i] == x)
            return NULL; /* named twice */
    TRY(check_needed(a, t, x));
    q->drop.tables[q->drop.n] = t;
    q->drop.indexes[q->drop.n++] = x;
    return NULL;
}

/* Foreign keys and views that hang on the tables go along, with CASCADE; with views, the statement
 * is a change of objects then. */
static struct error *drop_dependents(struct analysis *a, int count)
{
    struct query *q = a->q;
    struct list views = {0};
    struct dependents deps = {0};
    for (int i = 0; i < q->drop.n; i++) {
        TRY(sql__drop_references(a, q->drop.tables[i], q->drop.cascade, goes, &deps));
        sql__views_on(a, q->drop.tables[i]->id, sql__describe_table(a, q->drop.tables[i]), &views,
                      &deps);
        sql__views_on_owned(a, q->drop.tables[i], -1, &views, &deps);
    }
    if (deps.list.n && !q->drop.cascade)
        return sql__has_dependents(a, count > 1 ? NULL : sql__describe_table(a, q->drop.tables[0]),
                                   &deps);
    if (views.n) {
        const struct table **tables = q->drop.tables;
        int n = q->drop.n;
        memset(&q->objects, 0, sizeof(q->objects));
        sql__change_objects(a, q->tag);
        for (int i = 0; i < n; i++)
            sql__drop_with(a, tables[i]);
        for (int i = 0; i < views.n; i++)
            sql__drop_view_with(a, views.items[i]);
    }
    sql__tell_cascade(a, &deps);
    return NULL;
}

struct error *sql__drop(struct analysis *a, const DropStmt *n)
{
    struct query *q = a->q;
    int count = list_length(n->objects);
    bool materialized = n->removeType == OBJECT_MATVIEW;
    bool table = n->removeType == OBJECT_TABLE || materialized,
         sequence = n->removeType == OBJECT_SEQUENCE;
    if (n->removeType == OBJECT_TYPE || n->removeType == OBJECT_DOMAIN)
        return sql__drop_type(a, n);
    if (n->removeType == OBJECT_EXTENSION)
        return sql__drop_extension(a, n);
    if (n->removeType == OBJECT_VIEW)
        return sql__drop_view(a, n);
    if (n->removeType == OBJECT_SCHEMA)
        return sql__drop_schema(a, n);
    if (!table && !sequence && n->removeType != OBJECT_INDEX)
        return sql__drop_absent(a, n);
    q->kind = table ? QUERY_DROP_TABLE : sequence ? QUERY_DROP_SEQUENCE : QUERY_DROP_INDEX;
    q->tag = materialized ? "DROP MATERIALIZED VIEW"
             : table      ? "DROP TABLE"
             : sequence   ? "DROP SEQUENCE"
                          : "DROP INDEX";
    q->drop.sequences = ARENA_ARRAY(a->arena, const struct sequence *, count);
    q->writes = true;
    q->drop.tables = ARENA_ARRAY(a->arena, const struct table *, count);
    q->drop.indexes = ARENA_ARRAY(a->arena, const struct index *, count);
    q->drop.cascade = n->behavior == DROP_CASCADE;
    q->alone = n->concurrent ? "DROP INDEX CONCURRENTLY" : NULL;
    if (n->concurrent && count > 1)
        return error_new(E_UNSUPPORTED,
                         "DROP INDEX CONCURRENTLY does not support dropping multiple objects");
    if (n->concurrent && q->drop.cascade)
        return error_new(E_UNSUPPORTED, "DROP INDEX CONCURRENTLY does not support CASCADE");
    for (int i = 0; i < count; i++) {
        RangeVar rv = sql__range_var(list_nth(n->objects, i));
        TRY(table      ? drop_one_table(a, &rv, materialized, n->missing_ok)
            : sequence ? sql__drop_sequence(a, &rv, n->missing_ok)
                       : drop_one_index(a, &rv, n->missing_ok));
    }
    return table ? drop_dependents(a, count) : sequence ? sql__drop_with_sequences(a, count) : NULL;
}

/* ---- TRUNCATE
 * -----------------------------------------------------------------------------------------------------------------
 */

struct error *sql__truncate(struct analysis *a, const TruncateStmt *n)
{
    struct query *q = a->q;
    int count = list_length(n->relations);
    size_t cap = (size_t)count + (a->ctx->view ? a->ctx->view->n_tables : 0);
    q->kind = QUERY_TRUNCATE;
    q->tag = "TRUNCATE TABLE";
    q->writes = true;
    q->truncate.tables = ARENA_ARRAY(a->arena, const struct table *, cap);
    q->truncate.cascade = n->behavior == DROP_CASCADE;
    q->truncate.restart_identity = n->restart_seqs;
    for (int i = 0; i < count; i++) {
        const RangeVar *rv = list_nth(n->relations, i);
        const struct table *t;
        TRY(sql__find_relation(a, rv, &t));
        if (t->query)
            return error_new("42809", "\"%s\" is not a table", t->name);
        if (t->id == 0)
            return sql__at(a,
                           error_new("42501", "permission denied for system table \"%s\"", t->name),
                           rv->location);
        if (!listed(q->truncate.tables, q->truncate.n_tables, t))
            q->truncate.tables[q->truncate.n_tables++] = t;
    }
    const struct table *from, *to;
    const struct foreign_key *fk;
    while ((fk = outside_reference(a, q->truncate.tables, q->truncate.n_tables, &from, &to))) {
        if (q->truncate.cascade) {
            sql__notice(a, "00000", NULL, "truncate cascades to table \"%s\"", from->name);
            q->truncate.tables[q->truncate.n_tables++] = from;
            continue;
        }
        struct error *e = error_new(
            E_UNSUPPORTED, "cannot truncate a table referenced in a foreign key constraint");
        error_detail(e, "Table \"%s\" references \"%s\".", from->name, to->name);
        return error_hint(e, "Truncate table \"%s\" at the same time, or use TRUNCATE ... CASCADE.",
                          from->name);
    }
    return NULL;
}
