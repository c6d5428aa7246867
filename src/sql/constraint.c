/*
 * Names of constraints on violation. SQLite says which columns of which table (by the name that it
 * has in the file) a unique constraint has; the catalog knows what the two are called.
 */
#include "sql/sql.h"

static const struct table *find_table(const struct catalog_view *v, const char *file_name)
{
    for (size_t i = 0; v && file_name && i < v->all->n_tables; i++)
        if (strcmp(table_file_name(v->all->tables[i]), file_name) == 0)
            return v->all->tables[i];
    return NULL;
}

static void set_table(struct error *e, const struct table *t)
{
    mem_free(e->schema);
    mem_free(e->table);
    e->schema = mem_strdup(t->schema);
    e->table = mem_strdup(t->name);
}

/* e->column is "a, b" */
static bool columns_match(const struct table *t, const int *columns, int n, const char *list)
{
    for (int i = 0; i < n; i++) {
        if (columns[i] < 0) /* an expression: see name_index() */
            return false;
        const char *name = t->columns[columns[i]].name;
        size_t len = strlen(name);
        if (strncmp(list, name, len) != 0)
            return false;
        list += len;
        if (i + 1 < n) {
            if (strncmp(list, ", ", 2) != 0)
                return false;
            list += 2;
        }
    }
    return *list == 0;
}

static const char *unique_name(const struct table *t, const char *columns)
{
    for (int i = 0; i < t->n_keys; i++) {
        if (!t->keys[i].deferrable &&
            columns_match(t, t->keys[i].columns, t->keys[i].n_columns, columns))
            return t->keys[i].name;
    }
    for (int i = 0; i < t->n_indexes; i++) {
        const struct index *x = &t->indexes[i];
        if (x->unique && !x->watched && !x->nulls_equal &&
            columns_match(t, x->columns, x->n_columns, columns))
            return x->name;
    }
    return NULL;
}

/* SQLite names an index on expressions by its name in the file, instead of columns. */
static struct error *name_index(const struct catalog_view *v, struct error *e)
{
    for (size_t i = 0; v && i < v->all->n_tables; i++) {
        const struct table *t = v->all->tables[i];
        for (int k = 0; k < t->n_indexes; k++) {
            if (strcmp(index_file_name(&t->indexes[k]), e->constraint) != 0)
                continue;
            set_table(e, t);
            mem_free(e->constraint);
            e->constraint = mem_strdup(t->indexes[k].name);
            mem_free(e->message);
            e->message = mem_printf("duplicate key value violates unique constraint \"%s\"",
                                    t->indexes[k].name);
            return e;
        }
    }
    return e;
}

static struct error *name_unique(const struct catalog_view *view, struct error *e)
{
    if (!e->table && e->constraint)
        return name_index(view, e);
    const struct table *t = find_table(view, e->table);
    const char *name = t && e->column ? unique_name(t, e->column) : NULL;
    if (!name)
        return e;
    set_table(e, t);
    mem_free(e->constraint);
    e->constraint = mem_strdup(name);
    mem_free(e->message);
    e->message = mem_printf("duplicate key value violates unique constraint \"%s\"", name);
    mem_free(e->column); /* PostgreSQL names no column here */
    e->column = NULL;
    return e;
}

static struct error *name_not_null(const struct catalog_view *view, struct error *e)
{
    const struct table *t = find_table(view, e->table);
    if (!t || !e->column)
        return e;
    set_table(e, t);
    mem_free(e->message);
    e->message =
        mem_printf("null value in column \"%s\" of relation \"%s\" violates not-null constraint",
                   e->column, t->name);
    return e;
}

static bool has_check(const struct table *t, const char *name)
{
    for (int i = 0; i < t->n_checks; i++) {
        if (strcmp(t->checks[i].name, name) == 0)
            return true;
    }
    return false;
}

/* SQLite names the check only: its table is the one that is written, or one that a foreign key's
 * action reaches. */
static const struct table *checked_table(const struct catalog_view *view,
                                         const struct table *target, const char *name)
{
    if (target && has_check(target, name))
        return target;
    for (size_t i = 0; view && i < view->n_tables; i++) {
        if (has_check(view->tables[i], name))
            return view->tables[i];
    }
    return NULL;
}

static struct error *name_check(const struct catalog_view *view, const struct table *target,
                                struct error *e)
{
    if (!e->constraint || e->table)
        return e;
    const struct table *t = checked_table(view, target, e->constraint);
    if (!t)
        return e;
    set_table(e, t);
    mem_free(e->message);
    e->message = mem_printf("new row for relation \"%s\" violates check constraint \"%s\"", t->name,
                            e->constraint);
    return e;
}

/* ---- foreign keys
 * -----------------------------------------------------------------------------------------------
 */

/* The foreign keys that a statement can violate: SQLite does not say which one it was. */
struct suspects {
    const struct catalog_view *view;
    struct sql_suspect *list;
    int n, max, depth;
};

static void suspect(struct suspects *s, const struct foreign_key *fk, const struct table *child,
                    bool of_parent)
{
    const struct table *parent = catalog_table_by_id(s->view, fk->table);
    if (s->n < s->max && parent)
        s->list[s->n++] = (struct sql_suspect){
            .fk = fk, .child = child, .parent = parent, .of_parent = of_parent};
}

static bool sets_any(const struct write *w, const int *columns, int n)
{
    for (int i = 0; w && i < w->n_set; i++) {
        for (int k = 0; k < n; k++) {
            if (w->set[i].column == columns[k])
                return true;
        }
    }
    for (int k = 0; w && w->n_set && k < n; k++)
        if (w->target->table->columns[columns[k]].generated)
            return true;
    return false;
}

/* Rows of t get these values; w: in an UPDATE, only what it sets. */
static void suspect_own(struct suspects *s, const struct table *t, const struct write *w)
{
    for (int i = 0; i < t->n_foreign_keys; i++) {
        const struct foreign_key *fk = &t->foreign_keys[i];
        if (!fk->watched && (!w || sets_any(w, fk->columns, fk->n_columns)))
            suspect(s, fk, t, false);
    }
}

/* Rows of t go away; w: or change what it sets. */
static void suspect_references(struct suspects *s, const struct table *t, const struct write *w)
{
    if (s->depth > 8)
        return;
    s->depth++;
    for (size_t i = 0; i < s->view->n_tables; i++) {
        const struct table *child = s->view->tables[i];
        for (int k = 0; k < child->n_foreign_keys; k++) {
            const struct foreign_key *fk = &child->foreign_keys[k];
            if (fk->table != t->id || fk->watched ||
                (w && !sets_any(w, fk->ref_columns, fk->n_columns)))
                continue;
            char action = w ? fk->on_update : fk->on_delete;
            if (action == 'c' && !w)
                suspect_references(s, child, NULL);
            else if (action != 'n') /* SET NULL breaks no foreign key */
                suspect(s, fk, child, action != 'd');
        }
    }
    s->depth--;
}

int sql_suspects(const struct catalog_view *view, const struct query *q, struct sql_suspect *ret,
                 int max)
{
    struct suspects s = {.view = view, .list = ret, .max = max};
    const struct table *t = q->write->target->table;
    if (q->kind != QUERY_DELETE)
        suspect_own(&s, t, q->kind == QUERY_UPDATE ? q->write : NULL);
    if (q->kind != QUERY_INSERT)
        suspect_references(&s, t, q->kind == QUERY_UPDATE ? q->write : NULL);
    return s.n;
}

struct error *sql_name_constraint(const struct catalog_view *view, const struct query *q,
                                  struct error *e)
{
    if (!e || e->schema) /* named already, at another server */
        return e;
    if (error_is(e, E_UNIQUE))
        return name_unique(view, e);
    if (error_is(e, E_NOT_NULL))
        return name_not_null(view, e);
    if (error_is(e, E_CHECK))
        return name_check(view, q && q->write ? q->write->target->table : NULL, e);
    return e;
}
