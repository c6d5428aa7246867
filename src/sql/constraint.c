/*
 * Names of constraints on violation. SQLite says which columns of which table a unique constraint
 * has; the catalog knows what the constraint is called.
 */
#include "sql/sql.h"

static const struct table *find_table(const struct catalog_view *v, const char *name)
{
    return v && name ? catalog_table(v, "public", name) : NULL;
}

/* e->column is "a, b" */
static bool columns_match(const struct table *t, const int *columns, int n, const char *list)
{
    for (int i = 0; i < n; i++) {
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
        if (columns_match(t, t->keys[i].columns, t->keys[i].n_columns, columns))
            return t->keys[i].name;
    }
    for (int i = 0; i < t->n_indexes; i++) {
        const struct index *x = &t->indexes[i];
        if (x->unique && columns_match(t, x->columns, x->n_columns, columns))
            return x->name;
    }
    return NULL;
}

static struct error *name_unique(const struct catalog_view *view, struct error *e)
{
    const struct table *t = find_table(view, e->table);
    const char *name = t && e->column ? unique_name(t, e->column) : NULL;
    if (!name)
        return e;
    mem_free(e->constraint);
    e->constraint = mem_strdup(name);
    mem_free(e->message);
    e->message = mem_printf("duplicate key value violates unique constraint \"%s\"", name);
    mem_free(e->column); /* PostgreSQL names no column here */
    e->column = NULL;
    return e;
}

/* SQLite names the check only: the first table that has one of this name gives the rest. */
static struct error *name_check(const struct catalog_view *view, struct error *e)
{
    if (!e->constraint || e->table || !view)
        return e;
    for (size_t i = 0; i < view->n_tables; i++) {
        const struct table *t = view->tables[i];
        for (int k = 0; k < t->n_checks; k++) {
            if (strcmp(t->checks[k].name, e->constraint) != 0)
                continue;
            e->table = mem_strdup(t->name);
            mem_free(e->message);
            e->message = mem_printf("new row for relation \"%s\" violates check constraint \"%s\"",
                                    t->name, e->constraint);
            return e;
        }
    }
    return e;
}

struct error *sql_name_constraint(const struct catalog_view *view, struct error *e)
{
    if (error_is(e, E_UNIQUE))
        return name_unique(view, e);
    if (error_is(e, E_CHECK))
        return name_check(view, e);
    return e;
}
