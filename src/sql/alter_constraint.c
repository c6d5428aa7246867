/*
 * ALTER TABLE's forms about constraints.
 *
 * New ones are made by the code that makes those of CREATE TABLE (create_table.c), in a draft of
 * what the table becomes. Here is what the rows have to be asked first, as SELECTs whose first row
 * is the one that is in the way (struct alter_check), and what other tables lose when a key goes.
 */
#include "sql_int.h"

/* ---- what the rows are asked ---------------------------------------------------------------- */

static void add(struct analysis *a, const struct alter_check *check, struct alter_check **list,
                int *n)
{
    struct alter_check *checks = ARENA_ARRAY(a->arena, struct alter_check, *n + 1);
    for (int i = 0; i < *n; i++)
        checks[i] = (*list)[i];
    checks[(*n)++] = *check;
    *list = checks;
}

void sql__alter_check(struct analysis *a, const struct alter_check *check)
{
    add(a, check, &a->q->alter_table.checks, &a->q->alter_table.n_checks);
}

void sql__ask_rows(struct analysis *a, const struct alter_check *check)
{
    add(a, check, &a->q->objects.checks, &a->q->objects.n_checks);
}

static void put_relation(const struct table *t, struct buf *out)
{
    sql_quote_identifier(t->schema, out);
    buf_puts(out, ".");
    sql_quote_identifier(t->name, out);
}

static const char *take(struct analysis *a, struct buf *text)
{
    const char *s = arena_strndup(a->arena, text->data ? text->data : "", text->len);
    buf_done(text);
    return s;
}

/* "a, b"; quoted where they need it, or never */
static const char *column_names(struct analysis *a, const struct table *t, const int *columns,
                                int n, bool quoted)
{
    struct buf text = {0};
    for (int i = 0; i < n; i++) {
        buf_puts(&text, i ? ", " : "");
        if (quoted)
            sql_quote_identifier(t->columns[columns[i]].name, &text);
        else
            buf_puts(&text, t->columns[columns[i]].name);
    }
    return take(a, &text);
}

/* left.a = right.x AND .. */
static void put_equal(const struct table *l, const char *left, const int *columns,
                      const struct table *r, const char *right, const int *others, int n,
                      struct buf *out)
{
    for (int i = 0; i < n; i++) {
        buf_printf(out, "%s%s.", i ? " AND " : "", left);
        sql_quote_identifier(l->columns[columns[i]].name, out);
        buf_printf(out, " = %s.", right);
        sql_quote_identifier(r->columns[others[i]].name, out);
    }
}

/* A row that `query` finds breaks the key. */
static void alter_check_key(struct analysis *a, const struct table *t, const struct foreign_key *fk,
                            struct buf *query, const char *before_values, const char *after_values)
{
    sql__alter_check(
        a,
        &(struct alter_check){
            .query = take(a, query),
            .after = true,
            .sqlstate = E_FOREIGN_KEY,
            .message = arena_printf(
                a->arena, "insert or update on table \"%s\" violates foreign key constraint \"%s\"",
                t->name, fk->name),
            .constraint = fk->name,
            .before_values = before_values,
            .after_values = after_values});
}

/* a IS NULL OR b IS NULL ..: the key's columns. */
static void put_nulls(const struct table *t, const struct foreign_key *fk, const char *between,
                      const char *is, struct buf *out)
{
    for (int i = 0; i < fk->n_columns; i++) {
        buf_puts(out, i ? between : "");
        sql_quote_identifier(t->columns[fk->columns[i]].name, out);
        buf_puts(out, is);
    }
}

/* NULL in all columns, or in none. */
static void check_match_full(struct analysis *a, const struct table *t,
                             const struct foreign_key *fk)
{
    struct buf text = {0};
    buf_puts(&text, "SELECT '' FROM ");
    put_relation(t, &text);
    buf_puts(&text, " WHERE (");
    put_nulls(t, fk, " OR ", " IS NULL", &text);
    buf_puts(&text, ") AND (");
    put_nulls(t, fk, " OR ", " IS NOT NULL", &text);
    buf_puts(&text, ")");
    alter_check_key(a, t, fk, &text,
                    "MATCH FULL does not allow mixing of null and nonnull key values.", "");
}

static void check_foreign_key(struct analysis *a, const struct table *t,
                              const struct foreign_key *fk)
{
    const struct table *to = fk->table == t->id ? t : catalog_table_by_id(a->ctx->view, fk->table);
    struct buf text = {0};
    if (sql__mixes_no_nulls(fk))
        check_match_full(a, t, fk);
    buf_puts(&text, "SELECT ");
    for (int i = 0; i < fk->n_columns; i++) {
        buf_puts(&text, i ? ", f." : "f.");
        sql_quote_identifier(t->columns[fk->columns[i]].name, &text);
    }
    buf_puts(&text, " FROM ");
    put_relation(t, &text);
    buf_puts(&text, " f WHERE NOT EXISTS (SELECT 1 FROM ");
    put_relation(to, &text);
    buf_puts(&text, " p WHERE ");
    put_equal(to, "p", fk->ref_columns, t, "f", fk->columns, fk->n_columns, &text);
    buf_puts(&text, ")");
    for (int i = 0; i < fk->n_columns; i++) {
        buf_puts(&text, " AND f.");
        sql_quote_identifier(t->columns[fk->columns[i]].name, &text);
        buf_puts(&text, " IS NOT NULL");
    }
    const char *names = column_names(a, t, fk->columns, fk->n_columns, false);
    alter_check_key(a, t, fk, &text, arena_printf(a->arena, "Key (%s)=(", names),
                    arena_printf(a->arena, ") is not present in table \"%s\".", to->name));
}

static void check_check(struct analysis *a, const struct table *t, const struct check *c)
{
    struct buf text = {0};
    buf_puts(&text, "SELECT 1 FROM ");
    put_relation(t, &text);
    buf_printf(&text, " WHERE NOT (%s)", c->sql);
    sql__alter_check(
        a, &(struct alter_check){
               .query = take(a, &text),
               .after = true,
               .sqlstate = E_CHECK,
               .message = arena_printf(
                   a->arena, "check constraint \"%s\" of relation \"%s\" is violated by some row",
                   c->name, t->name),
               .constraint = c->name});
}

/* The column as the rows have it now: one that is being added has its default. NULL: null. */
static const char *value_now(struct analysis *a, const struct table *t, int column)
{
    const struct column *c = &t->columns[column];
    struct buf text = {0};
    if (column >= a->q->alter_table.table->n_columns)
        return c->default_sql ? arena_printf(a->arena, "(%s)", c->default_sql) : NULL;
    sql_quote_identifier(c->name, &text);
    return take(a, &text);
}

void sql__ask_not_null(struct analysis *a, const struct table *t, int column)
{
    const char *value = value_now(a, t, column);
    struct buf text = {0};
    if (sql__is_filled(a, column)) /* the rows are asked when they are copied */
        return;
    buf_puts(&text, "SELECT 1 FROM ");
    put_relation(t, &text);
    if (value)
        buf_printf(&text, " WHERE %s IS NULL", value);
    sql__alter_check(a, &(struct alter_check){
                            .query = take(a, &text),
                            .sqlstate = E_NOT_NULL,
                            .message = arena_printf(
                                a->arena, "column \"%s\" of relation \"%s\" contains null values",
                                t->columns[column].name, t->name),
                            .column = t->columns[column].name});
}

static void check_unique(struct analysis *a, const struct table *t, const struct key *k)
{
    struct buf values = {0}, text = {0}, nulls = {0};
    for (int i = 0; i < k->n_columns; i++)
        if (sql__is_filled(a, k->columns[i])) /* the new index will tell */
            return;
    for (int i = 0; i < k->n_columns; i++) {
        const char *value = value_now(a, t, k->columns[i]);
        if (!value) { /* null is no duplicate */
            buf_done(&values);
            buf_done(&nulls);
            return;
        }
        buf_printf(&values, "%s%s", i ? ", " : "", value);
        if (k->nulls_equal)
            buf_puts(&nulls, i ? "" : "true");
        else
            buf_printf(&nulls, "%s%s IS NOT NULL", i ? " AND " : "", value);
    }
    buf_printf(&text, "SELECT %s FROM ", values.data);
    put_relation(t, &text);
    buf_printf(&text, " WHERE %s GROUP BY ", nulls.data);
    for (int i = 0; i < k->n_columns; i++)
        buf_printf(&text, "%s%d", i ? ", " : "", i + 1);
    buf_puts(&text, " HAVING count(*) > 1");
    buf_done(&values);
    buf_done(&nulls);
    const char *names = column_names(a, t, k->columns, k->n_columns, true);
    sql__alter_check(
        a, &(struct alter_check){
               .query = take(a, &text),
               .sqlstate = E_UNIQUE,
               .message = arena_printf(a->arena, "could not create unique index \"%s\"", k->name),
               .constraint = k->name,
               .before_values = arena_printf(a->arena, "Key (%s)=(", names),
               .after_values = ") is duplicated."});
}

/* ---- ADD ------------------------------------------------------------------------------------ */

/* Keys of a table that is there already are unique indexes of it. */
struct error *sql__index_key(struct analysis *a, struct table *t, struct key *k)
{
    struct index *indexes = ARENA_ARRAY(a->arena, struct index, t->n_indexes + 1);
    for (int i = 0; i < t->n_indexes; i++)
        indexes[i] = t->indexes[i];
    struct index *x = &indexes[t->n_indexes];
    *x = (struct index){.name = k->name,
                        .unique = true,
                        .watched = k->deferrable,
                        .n_columns = k->n_columns,
                        .columns = k->columns,
                        .descending = ARENA_ARRAY(a->arena, bool, k->n_columns + 1)};
    t->indexes = indexes;
    t->n_indexes++;
    return sql__index_text(a, t, x);
}

static struct index *find_index(struct table *t, const char *name)
{
    for (int i = 0; i < t->n_indexes; i++)
        if (strcmp(t->indexes[i].name, name) == 0)
            return &t->indexes[i];
    return NULL;
}

static void check_becomes_not_null(struct analysis *a, const struct table *next, int column)
{
    const struct table *old = a->q->alter_table.table;
    if (column >= old->n_columns || !old->columns[column].not_null)
        sql__ask_not_null(a, next, column);
}

/* In PostgreSQL's order. What is new in `next`, beyond these numbers, gets its index and its
 * questions. */
struct error *sql__new_constraints(struct analysis *a, struct table *next, int n_keys, int n_checks,
                                   int n_foreign_keys)
{
    for (int i = n_keys; i < next->n_keys; i++) {
        struct key *k = &next->keys[i];
        if (find_index(next, k->name)) /* USING INDEX */
            continue;
        check_unique(a, next, k);
        TRY(sql__index_key(a, next, k));
    }
    for (int i = n_keys; i < next->n_keys; i++)
        for (int c = 0; c < next->keys[i].n_columns && next->keys[i].primary; c++)
            check_becomes_not_null(a, next, next->keys[i].columns[c]);
    for (int i = n_checks; i < next->n_checks; i++)
        if (!next->checks[i].not_valid)
            check_check(a, next, &next->checks[i]);
    for (int i = n_foreign_keys; i < next->n_foreign_keys; i++)
        if (!next->foreign_keys[i].not_valid)
            check_foreign_key(a, next, &next->foreign_keys[i]);
    return NULL;
}

/* ---- finding one ---------------------------------------------------------------------------- */

/* One of the table's constraints: exactly one of the three is not NULL. */
struct found {
    struct key *key;
    struct check *check;
    struct foreign_key *foreign_key;
};

#define COPY_OF(a, type, list, n)                                                                  \
    memcpy(ARENA_ARRAY((a)->arena, struct type, (n) + 1), (list) ? (list) : (void *)"",            \
           sizeof(struct type) * (size_t)(n))

/* In lists of the table's own, which may be changed. */
static bool find(struct analysis *a, struct table *t, const char *name, struct found *ret)
{
    *ret = (struct found){0};
    t->keys = COPY_OF(a, key, t->keys, t->n_keys);
    t->checks = COPY_OF(a, check, t->checks, t->n_checks);
    t->foreign_keys = COPY_OF(a, foreign_key, t->foreign_keys, t->n_foreign_keys);
    t->indexes = COPY_OF(a, index, t->indexes, t->n_indexes);
    for (int i = 0; i < t->n_keys; i++)
        if (strcmp(t->keys[i].name, name) == 0)
            ret->key = &t->keys[i];
    for (int i = 0; i < t->n_checks; i++)
        if (strcmp(t->checks[i].name, name) == 0)
            ret->check = &t->checks[i];
    for (int i = 0; i < t->n_foreign_keys; i++)
        if (strcmp(t->foreign_keys[i].name, name) == 0)
            ret->foreign_key = &t->foreign_keys[i];
    return ret->key || ret->check || ret->foreign_key;
}

static struct error *no_constraint(const struct table *t, const char *name)
{
    return error_new(E_UNDEFINED_OBJECT, "constraint \"%s\" of relation \"%s\" does not exist",
                     name, t->name);
}

/* ---- DROP CONSTRAINT ------------------------------------------------------------------------ */

#define REMOVE(list, n, item)                                                                      \
    do {                                                                                           \
        for (int i_ = (int)((item) - (list)) + 1; i_ < (n); i_++)                                  \
            (list)[i_ - 1] = (list)[i_];                                                           \
        (n)--;                                                                                     \
    } while (0)

static bool same_columns(const int *x, const int *y, int n_x, int n_y)
{
    int common = 0;
    for (int i = 0; i < n_x; i++)
        for (int k = 0; k < n_y; k++)
            common += x[i] == y[k];
    return n_x == n_y && common == n_x;
}

const char *sql__key_of_reference(const struct table *t, const struct foreign_key *fk)
{
    for (int i = 0; i < t->n_keys; i++)
        if (!t->keys[i].deferrable &&
            same_columns(t->keys[i].columns, fk->ref_columns, t->keys[i].n_columns, fk->n_columns))
            return t->keys[i].name;
    for (int i = 0; i < t->n_indexes; i++) {
        const struct index *x = &t->indexes[i];
        if (x->unique && !x->watched && !x->nulls_equal && !x->where_sql &&
            same_columns(x->columns, fk->ref_columns, x->n_columns, fk->n_columns))
            return x->name;
    }
    return NULL;
}

struct table *sql__also_changed(struct analysis *a, const struct table *t)
{
    struct query *q = a->q;
    if (q->kind == QUERY_ALTER_TABLE && q->alter_table.table->id == t->id)
        return q->alter_table.next;
    for (int i = 0; i < q->n_also; i++)
        if (q->also[i].old->id == t->id)
            return q->also[i].next;
    struct table_change *also = ARENA_ARRAY(a->arena, struct table_change, q->n_also + 1);
    for (int i = 0; i < q->n_also; i++)
        also[i] = q->also[i];
    also[q->n_also] = (struct table_change){t, table_copy(t, a->arena)};
    q->also = also;
    return q->also[q->n_also++].next;
}

/* Foreign keys on t that need its key or index of this name (NULL: on t itself), where `dropped`
 * does not say that their table goes, too. */
static void each_reference(struct analysis *a, const struct table *t, const char *name,
                           bool (*dropped)(const struct analysis *a, const struct table *t),
                           struct dependents *deps, struct list *ret)
{
    const struct catalog_view *v = a->ctx->view;
    for (size_t i = 0; v && i < v->n_tables; i++) {
        const struct table *from = v->tables[i];
        if (a->q->kind == QUERY_ALTER_TABLE && from->id == a->q->alter_table.table->id)
            from = a->q->alter_table.next;
        for (int k = 0; k < from->n_foreign_keys && !(dropped && dropped(a, from)); k++) {
            const struct foreign_key *fk = &from->foreign_keys[k];
            const char *needs = fk->table == t->id ? sql__key_of_reference(t, fk) : NULL;
            if (!needs || (name && strcmp(needs, name) != 0))
                continue;
            const char *what = arena_printf(a->arena, "constraint %s on table %s", fk->name,
                                            sql__shown_name(a, from->schema, from->name));
            sql__depends(
                a, deps, fk->id, what,
                name ? arena_printf(a->arena, "index %s", sql__shown_name(a, t->schema, name))
                     : sql__describe_table(a, t));
            struct sql_suspect *found = ARENA_NEW(a->arena, struct sql_suspect);
            *found = (struct sql_suspect){.fk = fk, .child = from};
            sql__push(a->arena, ret, found);
        }
    }
}

/* Their tables lose them. */
struct error *sql__lose_references(struct analysis *a, const struct list *references)
{
    for (int i = 0; i < references->n; i++) {
        const struct sql_suspect *r = references->items[i];
        struct table *t = sql__also_changed(a, r->child);
        struct found f;
        const char *name = r->fk->name;
        if (find(a, t, name, &f) && f.foreign_key)
            REMOVE(t->foreign_keys, t->n_foreign_keys, f.foreign_key);
        if (t != a->q->alter_table.next || a->q->kind != QUERY_ALTER_TABLE)
            TRY(sql__table_text(a, t));
    }
    return NULL;
}

struct error *sql__drop_references(struct analysis *a, const struct table *t, bool cascade,
                                   bool (*dropped)(const struct analysis *a, const struct table *t),
                                   struct dependents *deps)
{
    struct list references = {0};
    each_reference(a, t, NULL, dropped, deps, &references);
    return cascade ? sql__lose_references(a, &references) : NULL;
}

struct error *sql__drop_constraint(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    struct found f;
    struct dependents deps = {0};
    struct list references = {0}, views = {0};
    if (!find(a, t, c->name, &f)) {
        if (!c->missing_ok)
            return no_constraint(t, c->name);
        sql__notice(a, "00000", NULL,
                    "constraint \"%s\" of relation \"%s\" does not exist, skipping", c->name,
                    t->name);
        return NULL;
    }
    const char *what = arena_printf(a->arena, "constraint %s on table %s", c->name,
                                    sql__shown_name(a, t->schema, t->name));
    if (f.key)
        each_reference(a, t, c->name, NULL, &deps, &references);
    if (f.key && f.key->primary)
        sql__views_of_column(a, t->id, VIEW_BY_KEY, what, &views, &deps);
    if (deps.list.n && c->behavior != DROP_CASCADE)
        return sql__has_dependents(a, what, &deps);
    TRY(sql__views_go_with(a, t, &views, "DROP CONSTRAINT"));
    sql__tell_cascade(a, &deps);
    TRY(sql__lose_references(a, &references));
    find(a, t, c->name, &f); /* where it is by now */
    if (f.key) {
        struct index *x = find_index(t, c->name);
        if (x)
            REMOVE(t->indexes, t->n_indexes, x);
        REMOVE(t->keys, t->n_keys, f.key);
    } else if (f.check) {
        REMOVE(t->checks, t->n_checks, f.check);
    } else {
        REMOVE(t->foreign_keys, t->n_foreign_keys, f.foreign_key);
    }
    return NULL;
}

/* ---- VALIDATE, ALTER, RENAME ---------------------------------------------------------------- */

struct error *sql__validate_constraint(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    struct found f;
    if (!find(a, t, c->name, &f))
        return no_constraint(t, c->name);
    if (f.key)
        return error_new(
            "42809",
            "constraint \"%s\" of relation \"%s\" is not a foreign key or check constraint",
            c->name, t->name);
    if (f.check && f.check->not_valid)
        check_check(a, t, f.check);
    if (f.foreign_key && f.foreign_key->not_valid)
        check_foreign_key(a, t, f.foreign_key);
    if (f.check)
        f.check->not_valid = false;
    else
        f.foreign_key->not_valid = false;
    return NULL;
}

struct error *sql__alter_constraint(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    const Constraint *n = (const Constraint *)(const void *)c->def;
    struct found f;
    if (!find(a, t, n->conname, &f))
        return no_constraint(t, n->conname);
    if (!f.foreign_key)
        return error_new("42809",
                         "constraint \"%s\" of relation \"%s\" is not a foreign key "
                         "constraint",
                         n->conname, t->name);
    f.foreign_key->deferrable = n->deferrable;
    f.foreign_key->deferred = n->initdeferred;
    return NULL;
}

static struct error *check_new_name(struct analysis *a, struct table *t, const char *name, bool key)
{
    struct found same;
    TRY(sql__check_identifier(a, "constraint", name, -1));
    if (key && sql__relation_exists(a, t->schema, name))
        return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists", name);
    if (find(a, t, name, &same))
        return error_new("42710", "constraint \"%s\" for relation \"%s\" already exists", name,
                         t->name);
    return NULL;
}

/* An index keeps its name in the file. */
static void rename_index(struct analysis *a, struct index *x, const char *name)
{
    x->file_name = arena_strdup(a->arena, index_file_name(x));
    x->name = arena_strdup(a->arena, name);
}

struct error *sql__rename_constraint(struct analysis *a, struct table *t, const char *from,
                                     const char *to)
{
    struct found f;
    if (!find(a, t, from, &f))
        return error_new(E_UNDEFINED_OBJECT, "constraint \"%s\" for table \"%s\" does not exist",
                         from, t->name);
    TRY(check_new_name(a, t, to, f.key != NULL));
    find(a, t, from, &f); /* which makes the lists anew */
    struct index *x = f.key ? find_index(t, from) : NULL;
    char *name = arena_strdup(a->arena, to);
    if (x)
        rename_index(a, x, to);
    if (f.key)
        f.key->name = name;
    else if (f.check)
        f.check->name = name;
    else
        f.foreign_key->name = name;
    return NULL;
}

/* ---- ADD CONSTRAINT .. USING INDEX ---------------------------------------------------------- */

static struct error *check_usable(const struct index *x, const char *name)
{
    int odd = 0;
    while (odd < x->n_columns && !x->descending[odd] && !(x->nulls_first && x->nulls_first[odd]))
        odd++;
    struct error *e = NULL;
    if (!x->unique)
        e = error_new("42809", "\"%s\" is not a unique index", name);
    else if (x->n_expressions)
        e = error_new("42809", "index \"%s\" contains expressions", name);
    else if (x->where_sql)
        e = error_new("42809", "\"%s\" is a partial index", name);
    else if (odd < x->n_columns)
        e = error_new("42809",
                      "index \"%s\" column number %d does not have default sorting behavior", name,
                      odd + 1);
    return e ? error_detail(e, "Cannot create a primary key or unique constraint using such an "
                               "index.")
             : NULL;
}

struct error *sql__key_of_index(struct analysis *a, struct table *t, const Constraint *n,
                                struct key *k)
{
    t->indexes = COPY_OF(a, index, t->indexes, t->n_indexes);
    struct index *x = find_index(t, n->indexname);
    RangeVar rv = {.schemaname = t->schema, .relname = n->indexname, .location = -1};
    const struct index *other;
    if (!x && sql__lookup_index(a, &rv, &other))
        return sql__at(a,
                       error_new("55000", "index \"%s\" does not belong to table \"%s\"",
                                 n->indexname, t->name),
                       n->location);
    if (!x)
        return sql__at(a,
                       error_new(E_UNDEFINED_OBJECT, "index \"%s\" does not exist", n->indexname),
                       n->location);
    if (sql__key_exists(t, x->name))
        return sql__at(
            a, error_new("55000", "index \"%s\" is already associated with a constraint", x->name),
            n->location);
    TRY(sql__at(a, check_usable(x, n->indexname), n->location));
    if (x->nulls_equal)
        return sql__unsupported(a, n->location, "Name the columns.",
                                "USING INDEX of one with NULLS NOT DISTINCT is not supported");
    k->n_columns = x->n_columns;
    k->columns = x->columns;
    k->index_id = x->id;
    k->options = x->options;
    k->name = arena_strdup(a->arena, n->conname ? n->conname : x->name);
    if (strcmp(k->name, x->name) == 0)
        return NULL;
    TRY(check_new_name(a, t, k->name, true));
    sql__notice(a, "00000", NULL,
                "ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index \"%s\" to \"%s\"",
                x->name, k->name);
    x = find_index(t, n->indexname);
    rename_index(a, x, k->name);
    return NULL;
}

/* ---- SET CONSTRAINTS ------------------------------------------------------------------------ */

static bool has_name(const struct table *t, const char *schema, const char *name)
{
    bool found = false;
    for (int i = 0; i < t->n_keys; i++)
        found |= strcmp(t->keys[i].name, name) == 0;
    for (int i = 0; i < t->n_checks; i++)
        found |= strcmp(t->checks[i].name, name) == 0;
    for (int i = 0; i < t->n_foreign_keys; i++)
        found |= strcmp(t->foreign_keys[i].name, name) == 0;
    return found && strcmp(t->schema, schema) == 0;
}

/* All constraints of that name in the schema; each table may have one. */
static struct error *named_in(struct analysis *a, const char *schema, const char *name,
                              bool *ret_found)
{
    struct query *q = a->q;
    const struct catalog_view *v = a->ctx->view;
    *ret_found = false;
    for (size_t i = 0; v && i < v->n_tables; i++) {
        const struct table *t = v->tables[i];
        uint64_t id = 0;
        if (!has_name(t, schema, name))
            continue;
        *ret_found = true;
        for (int k = 0; k < t->n_foreign_keys; k++)
            if (strcmp(t->foreign_keys[k].name, name) == 0 && t->foreign_keys[k].deferrable)
                id = t->foreign_keys[k].id;
        for (int k = 0; k < t->n_keys; k++)
            if (strcmp(t->keys[k].name, name) == 0 && t->keys[k].deferrable)
                id = t->keys[k].id;
        if (!id)
            return error_new("42809", "constraint \"%s\" is not deferrable", name);
        uint64_t *ids = ARENA_ARRAY(a->arena, uint64_t, q->constraints.n + 1);
        if (q->constraints.n)
            memcpy(ids, q->constraints.ids, sizeof(*ids) * (size_t)q->constraints.n);
        ids[q->constraints.n++] = id;
        q->constraints.ids = ids;
    }
    return NULL;
}

struct error *sql__set_constraints(struct analysis *a, const ConstraintsSetStmt *n)
{
    struct query *q = a->q;
    q->kind = QUERY_SET_CONSTRAINTS;
    q->tag = "SET CONSTRAINTS";
    q->constraints.deferred = n->deferred;
    for (int i = 0; i < list_length(n->constraints); i++) {
        const RangeVar *rv = list_nth(n->constraints, i);
        bool found = false;
        if (rv->schemaname && !catalog_schema(a->ctx->view, rv->schemaname))
            return sql__no_schema(rv->schemaname);
        if (rv->schemaname)
            TRY(named_in(a, rv->schemaname, rv->relname, &found));
        for (int k = 0; !found && !rv->schemaname && k < a->path->n; k++)
            TRY(named_in(a, a->path->schemas[k], rv->relname, &found));
        if (!found)
            return error_new(E_UNDEFINED_OBJECT, "constraint \"%s\" does not exist", rv->relname);
    }
    return NULL;
}
