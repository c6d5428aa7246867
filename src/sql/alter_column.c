/*
 * ALTER TABLE's forms about columns: DROP, RENAME, TYPE, NOT NULL, IDENTITY.
 *
 * A column that is dropped keeps its place in the table's record, without name and type, so that
 * the numbers of those after it stay (pg_attribute.attnum), which views, indexes and foreign keys
 * refer by. In the file it is gone.
 *
 * What the record does not tell (region/schema.c) is told in SQLite's words, which each copy of the
 * region runs: q->alter_table.file_sql. A column of another name is renamed there. Columns with
 * other values are computed while the rows are copied into a new table (rewrite()); that is so for
 * a new type, and for a new column that has the name of one that went in the same statement.
 *
 * A copy elsewhere would compute something else where an expression hangs on the session or is
 * volatile: the time zone, now(), nextval(). So these values are computed once, by an UPDATE whose
 * rows go through the log: the table becomes q->alter_table.between, which has a column more for
 * each, q->alter_table.fill is run, and the rows are copied from there.
 */
#include "sql_int.h"

#include "emit_int.h"
#include "lex.h"

static void *copy_of(struct analysis *a, const void *list, int n, size_t size)
{
    void *copy = arena_alloc(a->arena, (size_t)(n + 1) * size);
    if (n)
        memcpy(copy, list, (size_t)n * size);
    return copy;
}
#define OWN(a, list, n) ((list) = copy_of(a, list, n, sizeof(*(list))))

static const char *take(struct analysis *a, struct buf *text)
{
    const char *s = arena_strndup(a->arena, text->data ? text->data : "", text->len);
    buf_done(text);
    return s;
}

static bool has(const int *columns, int n, int column)
{
    for (int i = 0; i < n; i++)
        if (columns[i] == column)
            return true;
    return false;
}

static bool mentions(const struct analysis *a, const struct table *t, const char *sql, int column)
{
    int *columns, n = sql_columns_of(a->ctx->view, t, sql, a->arena, &columns);
    return has(columns, n, column);
}

#define KEEP(list, n, keeps)                                                                       \
    do {                                                                                           \
        int kept_ = 0;                                                                             \
        for (int i = 0; i < (n); i++)                                                              \
            if (keeps)                                                                             \
                (list)[kept_++] = (list)[i];                                                       \
        (n) = kept_;                                                                               \
    } while (0)

/* Goes when the statement is through. */
static void drop_sequence_later(struct analysis *a, uint64_t id)
{
    struct query *q = a->q;
    uint64_t *all = ARENA_ARRAY(a->arena, uint64_t, q->alter_table.n_drop + 1);
    for (int i = 0; i < q->alter_table.n_drop; i++)
        all[i] = q->alter_table.drop[i];
    all[q->alter_table.n_drop++] = id;
    q->alter_table.drop = all;
}

/* Where PostgreSQL tells no place. */
static struct error *nowhere(struct error *e)
{
    if (e)
        e->position = 0;
    return e;
}

static void drop_sequences_of(struct analysis *a, struct table *t, int column)
{
    OWN(a, t->owned, t->n_owned);
    for (int i = 0; i < t->n_owned; i++)
        if (t->owned[i].column == column)
            drop_sequence_later(a, t->owned[i].sequence);
    KEEP(t->owned, t->n_owned, t->owned[i].column != column);
}

/* Columns whose values are computed while the rows are copied: SQLite text over the old row. */
struct column_source {
    int column;
    const char *sql;  /* NULL: by `fill` */
    const char *fill; /* PostgreSQL text, computed once */
};

static void add_source(struct analysis *a, const struct column_source *s)
{
    struct column_source *copy = ARENA_NEW(a->arena, struct column_source);
    *copy = *s;
    sql__push(a->arena, &a->sources, copy);
}

void sql__fill_column(struct analysis *a, int column, const char *sql)
{
    add_source(a, &(struct column_source){.column = column, .fill = sql});
}

static const struct column_source *source_of(const struct analysis *a, int column)
{
    for (int i = 0; i < a->sources.n; i++) {
        const struct column_source *s = a->sources.items[i];
        if (s->column == column)
            return s;
    }
    return NULL;
}

bool sql__is_filled(const struct analysis *a, int column)
{
    return source_of(a, column) != NULL;
}

/* ---- NOT NULL ------------------------------------------------------------------------------- */

struct error *sql__set_not_null(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    int at;
    TRY(sql__column_named(t, c->name, &at));
    if (!t->columns[at].not_null)
        sql__ask_not_null(a, t, at);
    t->columns[at].not_null = true;
    return NULL;
}

struct error *sql__drop_not_null(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    int at;
    TRY(sql__column_named(t, c->name, &at));
    if (t->columns[at].identity)
        return error_new(E_SYNTAX, "column \"%s\" of relation \"%s\" is an identity column",
                         c->name, t->name);
    for (int i = 0; i < t->n_keys; i++)
        if (t->keys[i].primary && has(t->keys[i].columns, t->keys[i].n_columns, at))
            return error_new("42P16", "column \"%s\" is in a primary key", c->name);
    t->columns[at].not_null = false;
    return NULL;
}

/* ---- IDENTITY, EXPRESSION ------------------------------------------------------------------- */

static struct error *identity_column(const struct table *t, const char *name, int *ret)
{
    TRY(sql__column_named(t, name, ret));
    if (t->columns[*ret].identity)
        return NULL;
    return error_new("55000", "column \"%s\" of relation \"%s\" is not an identity column", name,
                     t->name);
}

struct error *sql__add_identity_later(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    int at;
    TRY(sql__column_named(t, c->name, &at));
    const struct column *x = &t->columns[at];
    const char *why = !x->not_null     ? "must be declared NOT NULL before identity can be added"
                      : x->identity    ? "is already an identity column"
                      : x->default_sql ? "already has a default value"
                                       : NULL;
    if (why)
        return error_new("55000", "column \"%s\" of relation \"%s\" %s", c->name, t->name, why);
    return nowhere(sql__add_identity(a, t, at, (const Constraint *)(const void *)c->def));
}

/* SET GENERATED, and what its sequence is told. */
struct error *sql__set_identity(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    const List *options = (const List *)(const void *)c->def;
    ListCell *cells = ARENA_ARRAY(a->arena, ListCell, list_length(options) + 1);
    List rest = {.type = T_List, .max_length = list_length(options), .elements = cells};
    bool said = false;
    int at;
    TRY(identity_column(t, c->name, &at));
    for (int i = 0; i < list_length(options); i++) {
        const DefElem *d = list_nth(options, i);
        bool generated = strcmp(d->defname, "generated") == 0;
        if (generated && said)
            return error_new(E_SYNTAX, "conflicting or redundant options");
        if (generated)
            t->columns[at].identity = (char)intVal(d->arg);
        else
            cells[rest.length++].ptr_value = list_nth(options, i);
        said |= generated;
    }
    return rest.length ? sql__alter_identity(a, t, at, &rest) : NULL;
}

struct error *sql__drop_identity(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    int at;
    struct error *e = identity_column(t, c->name, &at);
    if (c->missing_ok && error_is(e, "55000")) {
        error_free(e);
        sql__notice(a, "00000", NULL,
                    "column \"%s\" of relation \"%s\" is not an identity column, skipping", c->name,
                    t->name);
        return NULL;
    }
    TRY(e);
    drop_sequences_of(a, t, at);
    t->columns[at].identity = 0;
    t->columns[at].sequence = 0;
    return NULL;
}

/* The values stay. */
struct error *sql__drop_expression(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    int at;
    struct buf text = {0};
    TRY(sql__column_named(t, c->name, &at));
    struct column *x = &t->columns[at];
    if (!x->generated && c->missing_ok) {
        sql__notice(a, "00000", NULL,
                    "column \"%s\" of relation \"%s\" is not a stored generated column, skipping",
                    c->name, t->name);
        return NULL;
    }
    if (!x->generated)
        return error_new("55000",
                         "column \"%s\" of relation \"%s\" is not a stored generated column",
                         c->name, t->name);
    x->generated = false;
    x->default_sql = NULL;
    x->default_id = 0;
    sql_quote(x->name, &text);
    add_source(a, &(struct column_source){.column = at, .sql = take(a, &text)});
    return NULL;
}

/* ---- what hangs on a column ------------------------------------------------------------------ */

static const char *describe_column(const struct analysis *a, const struct table *t, int column)
{
    return arena_printf(a->arena, "column %s of %s", sql__list_name(a, t->columns[column].name),
                        sql__describe_table(a, t));
}

static const struct object *view_on(const struct analysis *a, const struct table *t, int column,
                                    size_t *at)
{
    const struct catalog_view *v = a->ctx->view;
    for (; v && *at < v->n_objects; ++*at)
        for (int k = 0; k < v->objects[*at]->n_uses; k++) {
            const struct object_use *u = &v->objects[*at]->uses[k];
            if (u->id == t->id && has(u->columns, u->n_columns, column))
                return v->objects[(*at)++];
        }
    return NULL;
}

static int generated_from(const struct analysis *a, const struct table *t, int column, int from)
{
    for (int i = from; i < t->n_columns; i++)
        if (t->columns[i].generated && i != column &&
            mentions(a, t, t->columns[i].default_sql, column))
            return i;
    return -1;
}

/* Foreign keys to the column, of other tables or of its own. */
static void references_to(struct analysis *a, const struct table *t, int column,
                          struct dependents *deps, struct list *ret)
{
    const struct catalog_view *v = a->ctx->view;
    for (size_t i = 0; v && i < v->n_tables; i++) {
        const struct table *from =
            v->tables[i]->id == t->id ? t : sql__table_now(a, v->tables[i]->id);
        for (int k = 0; k < from->n_foreign_keys; k++) {
            const struct foreign_key *fk = &from->foreign_keys[k];
            if (fk->table != t->id || !has(fk->ref_columns, fk->n_columns, column) ||
                (from == t && has(fk->columns, fk->n_columns, column)))
                continue;
            sql__depends(a, deps, fk->id,
                         arena_printf(a->arena, "constraint %s on %s", fk->name,
                                      sql__describe_table(a, from)),
                         describe_column(a, t, column));
            struct sql_suspect *found = ARENA_NEW(a->arena, struct sql_suspect);
            *found = (struct sql_suspect){.fk = fk, .child = from};
            sql__push(a->arena, ret, found);
        }
    }
}

/* ---- DROP COLUMN ---------------------------------------------------------------------------- */

static bool index_has(const struct analysis *a, const struct table *t, const struct index *x,
                      int column)
{
    bool found = has(x->columns, x->n_columns, column) || has(x->included, x->n_included, column) ||
                 (x->where_sql && mentions(a, t, x->where_sql, column));
    for (int i = 0; i < x->n_expressions && !found; i++)
        found = mentions(a, t, x->expressions[i].sql, column);
    return found;
}

/* Indexes and constraints that have it go along, and sequences that it owns. */
static void remove_column(struct analysis *a, struct table *t, int at)
{
    const struct table before = *t; /* expressions are read by it */
    OWN(a, t->keys, t->n_keys);
    OWN(a, t->indexes, t->n_indexes);
    OWN(a, t->checks, t->n_checks);
    OWN(a, t->foreign_keys, t->n_foreign_keys);
    KEEP(t->keys, t->n_keys, !has(t->keys[i].columns, t->keys[i].n_columns, at));
    KEEP(t->indexes, t->n_indexes, !index_has(a, &before, &t->indexes[i], at));
    KEEP(t->checks, t->n_checks, !mentions(a, &before, t->checks[i].sql, at));
    KEEP(t->foreign_keys, t->n_foreign_keys,
         !has(t->foreign_keys[i].columns, t->foreign_keys[i].n_columns, at));
    drop_sequences_of(a, t, at);
    t->columns[at] =
        (struct column){.name = arena_printf(a->arena, "........pg.dropped.%d........", at + 1),
                        .type = OID_INT4,
                        .typmod = -1,
                        .dropped = true};
}

static struct error *check_column_free(struct analysis *a, struct table *t, int at, bool cascade)
{
    struct dependents deps = {0};
    struct list references = {0};
    const char *what = describe_column(a, t, at);
    struct list views = {0};
    sql__views_of_column(a, t->id, at, what, &views, &deps);
    sql__views_on_owned(a, t, at, &views, &deps);
    references_to(a, t, at, &deps, &references);
    for (int g = -1; (g = generated_from(a, t, at, g + 1)) >= 0;)
        sql__depends(a, &deps, t->columns[g].default_id, describe_column(a, t, g), what);
    if (!deps.list.n)
        return NULL;
    if (!cascade)
        return sql__has_dependents(a, what, &deps);
    TRY(sql__views_go_with(a, t, &views, "DROP COLUMN"));
    sql__tell_cascade(a, &deps);
    for (int g = -1; (g = generated_from(a, t, at, g + 1)) >= 0;)
        remove_column(a, t, g);
    return sql__lose_references(a, &references);
}

struct error *sql__drop_column_with(struct analysis *a, struct table *t, int at, struct list *views,
                                    struct dependents *deps)
{
    struct list references = {0};
    const char *what = describe_column(a, t, at);
    if (t->columns[at].dropped) /* it was generated from one that went */
        return NULL;
    sql__views_of_column(a, t->id, at, what, views, deps);
    sql__views_on_owned(a, t, at, views, deps);
    references_to(a, t, at, deps, &references);
    for (int g = -1; (g = generated_from(a, t, at, g + 1)) >= 0;) {
        sql__depends(a, deps, t->columns[g].default_id, describe_column(a, t, g), what);
        sql__views_of_column(a, t->id, g, describe_column(a, t, g), views, deps);
        remove_column(a, t, g);
    }
    remove_column(a, t, at);
    return sql__lose_references(a, &references);
}

struct error *sql__drop_column(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    int at = table_column(t, c->name);
    if (at < 0 && sql__is_system_column(c->name))
        return error_new(E_UNSUPPORTED, "cannot drop system column \"%s\"", c->name);
    if (at < 0 && c->missing_ok) {
        sql__notice(a, "00000", NULL, "column \"%s\" of relation \"%s\" does not exist, skipping",
                    c->name, t->name);
        return NULL;
    }
    TRY(sql__column_named(t, c->name, &at));
    TRY(check_column_free(a, t, at, c->behavior == DROP_CASCADE));
    remove_column(a, t, at);
    return NULL;
}

/* ---- RENAME COLUMN -------------------------------------------------------------------------- */

struct places {
    int column, n;
    int at[256];
};

static bool note_place(void *ctx, const struct expr *e)
{
    struct places *p = ctx;
    if (e->kind == EXPR_COLUMN && e->col.column == p->column && p->n < (int)ARRAY_LEN(p->at))
        p->at[p->n++] = e->position - 1;
    return true;
}

static int by_place(const void *x, const void *y)
{
    return *(const int *)x - *(const int *)y;
}

/* The last part of the name that begins at `at`. */
static void last_name(const char *sql, size_t at, size_t *ret_start, size_t *ret_end)
{
    const char *end = sql + strlen(sql), *p = sql + at;
    struct token t;
    do {
        p = sql__lex(p, end, &t);
        *ret_start = (size_t)(t.start - sql);
        *ret_end = *ret_start + t.len;
        p = sql__lex(p, end, &t);
    } while (t.kind == TOKEN_PUNCTUATION && *t.start == '.');
}

/* The PostgreSQL text with the column's new name: where the analysed expression says that it is
 * named, the last part of the (perhaps qualified) name is another. */
static struct error *renamed(struct analysis *a, const struct table *t, const char *sql, int column,
                             const char *name, char **ret)
{
    enum { SELECT = 7 }; /* sql__stored_expr() puts it before the text */
    struct places p = {.column = column};
    struct buf out = {0};
    size_t done = 0, len = strlen(sql);
    TRY(sql__column_places(a, t, sql, note_place, &p));
    qsort(p.at, (size_t)p.n, sizeof(p.at[0]), by_place);
    for (int i = 0; i < p.n; i++) {
        size_t at = (size_t)(p.at[i] - SELECT), start, end;
        if (p.at[i] < SELECT || at < done || at >= len)
            continue;
        last_name(sql, at, &start, &end);
        buf_append(&out, sql + done, start - done);
        sql_quote_identifier(name, &out);
        done = end;
    }
    buf_puts(&out, sql + done);
    *ret = (char *)(uintptr_t)take(a, &out);
    return p.n < (int)ARRAY_LEN(p.at)
               ? NULL
               : sql__unsupported(a, -1, "Drop the constraint first.",
                                  "renaming a column in so long an expression is not supported");
}

static struct error *rename_in_texts(struct analysis *a, const struct table *old, struct table *t,
                                     int column, const char *name)
{
    OWN(a, t->checks, t->n_checks);
    OWN(a, t->indexes, t->n_indexes);
    for (int i = 0; i < t->n_checks; i++)
        TRY(renamed(a, old, old->checks[i].sql, column, name, &t->checks[i].sql));
    for (int i = 0; i < t->n_columns; i++)
        if (t->columns[i].generated)
            TRY(renamed(a, old, old->columns[i].default_sql, column, name,
                        &t->columns[i].default_sql));
    for (int i = 0; i < t->n_indexes; i++) {
        struct index *x = &t->indexes[i];
        OWN(a, x->expressions, x->n_expressions);
        if (x->where_sql)
            TRY(renamed(a, old, x->where_sql, column, name, &x->where_sql));
        for (int k = 0; k < x->n_expressions; k++)
            TRY(renamed(a, old, x->expressions[k].sql, column, name, &x->expressions[k].sql));
    }
    for (int i = 0; i < t->n_indexes; i++)
        TRY(sql__index_ddl(a, t, &t->indexes[i]));
    return NULL;
}

/* Tables that reference it have its name in their SQLite text. */
static struct error *rename_in_references(struct analysis *a, const struct table *t)
{
    const struct catalog_view *v = a->ctx->view;
    for (size_t i = 0; v && i < v->n_tables; i++) {
        bool refers = false;
        for (int k = 0; k < v->tables[i]->n_foreign_keys && v->tables[i]->id != t->id; k++)
            refers |= v->tables[i]->foreign_keys[k].table == t->id;
        if (refers)
            TRY(sql__table_text(a, sql__also_changed(a, v->tables[i])));
    }
    return NULL;
}

struct error *sql__rename_column(struct analysis *a, struct table *t, const char *from,
                                 const char *to)
{
    int at = table_column(t, from);
    const struct table *old = a->q->alter_table.table;
    struct buf text = {0};
    if (at < 0 && sql__is_system_column(from))
        return error_new(E_UNSUPPORTED, "cannot rename system column \"%s\"", from);
    if (at < 0)
        return error_new(E_UNDEFINED_COLUMN, "column \"%s\" does not exist", from);
    TRY(sql__check_new_column(a, t, to, at));
    TRY(sql__views_follow(a, &(struct new_name){.id = t->id,
                                                .schema = t->schema,
                                                .columns = true,
                                                .column = at,
                                                .what = "renaming a column"}));
    OWN(a, t->columns, t->n_columns);
    t->columns[at].name = arena_strdup(a->arena, to);
    TRY(rename_in_texts(a, old, t, at, to));
    TRY(sql__table_text(a, t));
    TRY(rename_in_references(a, t));
    buf_puts(&text, "ALTER TABLE ");
    sql_quote(table_file_name(t), &text);
    buf_puts(&text, " RENAME COLUMN ");
    sql_quote(from, &text);
    buf_puts(&text, " TO ");
    sql_quote(to, &text);
    a->q->alter_table.file_sql = take(a, &text);
    return NULL;
}

/* ---- ALTER COLUMN TYPE ---------------------------------------------------------------------- */

static struct error *check_viewed(struct analysis *a, const struct table *t, int at)
{
    size_t k = 0;
    const struct object *view = view_on(a, t, at, &k);
    if (!view)
        return NULL;
    struct error *e =
        error_new(E_UNSUPPORTED, "cannot alter type of a column used by a view or rule");
    return error_detail(e, "rule _RETURN on %s depends on column \"%s\"",
                        sql__describe_view(a, view), t->columns[at].name);
}

static struct error *check_type_free(struct analysis *a, const struct table *t, int at)
{
    TRY(check_viewed(a, t, at));
    int g = generated_from(a, t, at, 0);
    if (g < 0)
        return NULL;
    struct error *e =
        error_new(E_UNSUPPORTED, "cannot alter type of a column used by a generated column");
    return error_detail(e, "Column \"%s\" is used by generated column \"%s\".", t->columns[at].name,
                        t->columns[g].name);
}

static struct error *cannot_cast(const struct analysis *a, const struct column *c, uint32_t type,
                                 const char *what)
{
    return error_new(E_TYPE_MISMATCH, "%s \"%s\" cannot be cast automatically to type %s", what,
                     c->name, sql__type(a, type));
}

static struct error *check_default(struct analysis *a, const struct column *c, uint32_t type)
{
    struct scope s = {.clause = CLAUSE_DEFAULT};
    struct expr *e;
    if (!c->default_sql || c->generated || c->identity)
        return NULL;
    TRY(sql__stored_expr(a, &s, c->default_sql, &e));
    TRY(sql__assign(a, e, c, -1, &e));
    return sql__can_coerce(e, type, CAST_ASSIGNMENT)
               ? NULL
               : cannot_cast(a, c, type, "default for column");
}

/* Values of both have to be equal where they are in the file. */
static bool fits(uint32_t a, uint32_t b)
{
    const struct type *x = type_by_oid(a), *y = type_by_oid(b);
    return x->storage == y->storage && x->category == y->category &&
           strcmp(sql__collation(a), sql__collation(b)) == 0;
}

static struct error *check_keys(struct analysis *a, const struct table *t, int at)
{
    const struct catalog_view *v = a->ctx->view;
    for (size_t i = 0; v && i < v->n_tables; i++) {
        const struct table *from = v->tables[i]->id == t->id ? t : v->tables[i];
        for (int k = 0; k < from->n_foreign_keys; k++) {
            const struct foreign_key *fk = &from->foreign_keys[k];
            const struct table *to = fk->table == t->id ? t : catalog_table_by_id(v, fk->table);
            for (int n = 0; n < fk->n_columns && to && (from == t || to == t); n++) {
                const struct column *x = &from->columns[fk->columns[n]];
                const struct column *y = &to->columns[fk->ref_columns[n]];
                if (!sql__foreign_fits(fk, x, y) && !sql__foreign_castable(a, from, fk, to, n))
                    return sql__foreign_mismatch(a, fk, x, y);
            }
            if (to == t && from != t && (fk->watched || sql__is_watched(from, fk, to)))
                TRY(sql__table_text(a, sql__also_changed(a, from)));
        }
    }
    return NULL;
}

/* The new value, over the table as it was. */
static struct error *transform(struct analysis *a, const struct table *t, int at, const Node *using,
                               uint32_t type, int32_t typmod, uint32_t domain, struct expr **ret)
{
    struct scope s = {.clause = CLAUSE_TRANSFORM};
    const struct column *c = &t->columns[at];
    struct rte *r = sql__base_rte(a, a->q->alter_table.table, t->name, -1);
    sql__add_item(a, &s, r);
    if (using)
        TRY(sql__expr(a, &s, using, ret));
    else
        *ret = sql__column(a, r, at, -1);
    if (!sql__can_coerce(*ret, type, CAST_ASSIGNMENT)) {
        struct error *e =
            cannot_cast(a, c, type, using ? "result of USING clause for column" : "column");
        return using ? error_hint(e, "You might need to add an explicit cast.")
                     : error_hint(e, "You might need to specify \"USING %s::%s\".",
                                  sql__list_name(a, c->name), type_label(type, typmod, a->arena));
    }
    TRY(nowhere(sql__coerce(a, *ret, type, typmod, CAST_ASSIGNMENT, ret)));
    return sql__to_domain(a, *ret, domain, ret);
}

/* The column itself, seen as another type. */
static bool same_values(const struct expr *e, int at)
{
    while (e->kind == EXPR_CAST && !e->call.func)
        e = e->args[0];
    return e->kind == EXPR_COLUMN && e->col.column == at;
}

static bool has_texts(const struct table *t)
{
    for (int i = 0; i < t->n_indexes; i++)
        if (t->indexes[i].n_expressions || t->indexes[i].where_sql)
            return true;
    return false;
}

/* The expression after USING: to the comma that ends it, or the statement's end. */
static const char *using_text(const struct analysis *a, const Node *n)
{
    const char *text = a->script->parsed, *end = text + strlen(text), *p = text, *start = text;
    int location = sql__location(n), depth = 0;
    struct token t;
    do {
        p = sql__lex(p, end, &t);
        if (sql__is_word(&t, "using") && t.start - text < location)
            start = p;
    } while (t.kind != TOKEN_END && t.start - text < location);
    const char *last = start;
    for (p = start;; last = p) {
        p = sql__lex(p, end, &t);
        char c = t.kind == TOKEN_PUNCTUATION ? *t.start : 0;
        if (t.kind == TOKEN_END || c == ';' || (c == ',' && depth == 0))
            break;
        depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
    }
    return sql__slice(a, (size_t)(start - text), (size_t)(last - text));
}

static struct error *note_values(struct analysis *a, const struct table *t, int at,
                                 const AlterTableCmd *c, const struct expr *e)
{
    const ColumnDef *n = (const ColumnDef *)(const void *)c->def;
    const struct column *x = &a->q->alter_table.table->columns[at];
    if (same_values(e, at) && fits(x->type, t->columns[at].type) && !has_texts(t))
        return NULL;
    if (!sql__is_immutable(e)) {
        struct buf name = {0};
        sql_quote_identifier(x->name, &name);
        const char *own = take(a, &name);
        sql__fill_column(a, at, n->raw_default ? using_text(a, n->raw_default) : own);
        return NULL;
    }
    struct buf text = {0};
    struct emitter em = {.out = &text, .all_bare = true, .stored = true};
    sql__emit_expr(&em, e);
    add_source(a, &(struct column_source){.column = at, .sql = take(a, &text)});
    return NULL;
}

struct error *sql__alter_type(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    const ColumnDef *n = (const ColumnDef *)(const void *)c->def;
    const struct type *type;
    int32_t typmod = -1;
    struct expr *e;
    int at, n_hidden = a->hidden.n, n_rtes = a->rtes.n;
    TRY(sql__column_named(t, c->name, &at));
    struct column *x = &t->columns[at];
    for (int i = 0; i < a->sources.n; i++)
        if (((struct column_source *)a->sources.items[i])->column == at)
            return error_new(E_UNSUPPORTED, "cannot alter type of column \"%s\" twice", c->name);
    if (x->generated && n->raw_default)
        return error_detail(
            error_new("42611", "cannot specify USING when altering type of generated column"),
            "Column \"%s\" is a generated column.", x->name);
    uint32_t domain;
    TRY(nowhere(sql__type_name(a, n->typeName, &type, &typmod, &domain)));
    TRY(sql__check_column_type(a, n, type));
    if (domain && x->generated)
        return sql__unsupported(a, -1, "Use the type beneath the domain.",
                                "a generated column of a domain is not supported");
    if (x->identity && type->oid != OID_INT2 && type->oid != OID_INT4 && type->oid != OID_INT8)
        return error_new("22023", "identity column type must be smallint, integer, or bigint");
    TRY(transform(a, t, at, n->raw_default, type->oid, typmod, domain, &e));
    TRY(check_default(a, x, type->oid));
    TRY(check_type_free(a, t, at));
    if (x->identity && x->type != type->oid) {
        DefElem as = {.type = T_DefElem, .defname = "as", .arg = (Node *)n->typeName};
        ListCell cell = {.ptr_value = &as};
        const List options = {.type = T_List, .length = 1, .max_length = 1, .elements = &cell};
        TRY(sql__alter_identity(a, t, at, &options));
    }
    uint32_t was = x->type;
    x->type = type->oid;
    x->typmod = typmod;
    x->domain = domain;
    if (!x->generated)
        TRY(note_values(a, t, at, c, e));
    else if (fits(was, x->type)) /* else the file's copy has it computed anew */
        add_source(a, &(struct column_source){.column = -1});
    TRY(check_keys(a, t, at));
    a->hidden.n = n_hidden;
    a->rtes.n = n_rtes;
    return NULL;
}

/* ---- the file ------------------------------------------------------------------------------- */

/* A new column of a name that the file has for another one. */
static bool takes_name(const struct table *old, const struct table *next)
{
    for (int i = old->n_columns; i < next->n_columns; i++)
        for (int k = 0; k < old->n_columns; k++)
            if (!old->columns[k].dropped &&
                strcasecmp(old->columns[k].name, next->columns[i].name) == 0)
                return true;
    return false;
}

bool sql__has_rowid_column(const struct table *t)
{
    for (int i = 0; i < t->n_keys; i++) {
        const struct key *k = &t->keys[i];
        bool late = false;
        for (int x = 0; x < t->n_indexes; x++)
            late |= strcmp(t->indexes[x].name, k->name) == 0;
        if (k->primary && k->n_columns == 1 && !late)
            return type_by_oid(t->columns[k->columns[0]].type)->storage == VALUE_INT;
    }
    return false;
}

static void filled_name(int column, struct buf *out)
{
    buf_printf(out, "\"minisql_new_%d\"", column + 1);
}

static void put_source(const struct analysis *a, const struct table *old, const struct table *next,
                       int i, struct buf *out)
{
    const struct column_source *s = source_of(a, i);
    if (s && s->sql)
        buf_puts(out, s->sql);
    else if (s)
        filled_name(i, out);
    else if (i < old->n_columns)
        sql_quote(old->columns[i].name, out);
    else
        buf_puts(out, next->columns[i].added ? next->columns[i].added : "NULL");
}

static const char *rowid_of(const struct table *old, const struct table *next)
{
    const char *name = sql_rowid_name(old), *other = sql_rowid_name(next);
    return sql__has_rowid_column(next) || !name || !other || strcmp(name, other) != 0 ? NULL : name;
}

/* `values`: what is put; else where it goes. */
static void put_columns(const struct analysis *a, const struct table *old, const struct table *next,
                        bool values, struct buf *out)
{
    const char *rowid = rowid_of(old, next), *comma = "";
    if (rowid)
        buf_puts(out, rowid);
    comma = rowid ? ", " : "";
    for (int i = 0; i < next->n_columns; i++) {
        if (!column_is_given(&next->columns[i]))
            continue;
        buf_puts(out, comma);
        comma = ", ";
        if (values)
            put_source(a, old, next, i, out);
        else
            sql_quote(next->columns[i].name, out);
    }
}

/* The table anew, under another name that it gives back. */
static const char *rewrite(struct analysis *a, const struct table *old, const struct table *next)
{
    static const char *const spare = "\"minisql_next\"";
    struct buf text = {0}, name = {0};
    sql_quote(table_file_name(next), &name);
    size_t head = strlen("CREATE TABLE ") + name.len;
    buf_printf(&text, "CREATE TABLE %s%s;\nINSERT INTO %s (", spare, next->ddl + head, spare);
    put_columns(a, old, next, false, &text);
    buf_puts(&text, ") SELECT ");
    put_columns(a, old, next, true, &text);
    buf_printf(&text, " FROM %s;\nDROP TABLE %s;\nALTER TABLE %s RENAME TO %s;\n", name.data,
               name.data, spare, name.data);
    for (int i = 0; i < next->n_indexes; i++)
        buf_printf(&text, "%s;\n", next->indexes[i].ddl);
    buf_done(&name);
    return take(a, &text);
}

/* What the rows have to be computed in first, and the UPDATE that does it. */
static struct error *plan_fill(struct analysis *a, const struct table *old,
                               const struct table *next)
{
    struct query *q = a->q;
    struct table *t = ARENA_NEW(a->arena, struct table);
    struct buf text = {0};
    *t = *old;
    t->columns = ARENA_ARRAY(a->arena, struct column, old->n_columns + a->sources.n);
    memcpy(t->columns, old->columns, sizeof(*t->columns) * (size_t)old->n_columns);
    buf_puts(&text, "UPDATE ");
    buf_puts(&text, sql_relation_text(old->schema, old->name, a->arena));
    for (int i = 0; i < a->sources.n; i++) {
        const struct column_source *s = a->sources.items[i];
        struct buf name = {0};
        if (!s->fill)
            continue;
        filled_name(s->column, &name);
        buf_printf(&text, "%s %s = (%s)", t->n_columns > old->n_columns ? "," : " SET", name.data,
                   s->fill);
        const struct column *c = &next->columns[s->column];
        t->columns[t->n_columns++] =
            (struct column){.name = arena_strndup(a->arena, name.data + 1, name.len - 2),
                            .type = c->type,
                            .typmod = c->typmod,
                            .domain = c->domain};
        buf_done(&name);
    }
    q->alter_table.fill = take(a, &text);
    q->alter_table.between = t;
    return sql__table_text(a, t);
}

struct error *sql__finish_columns(struct analysis *a, struct table *next)
{
    const struct table *old = a->q->alter_table.table;
    bool filled = false;
    if (a->sources.n) {
        OWN(a, next->indexes, next->n_indexes);
        for (int i = 0; i < next->n_indexes; i++)
            TRY(sql__index_ddl(a, next, &next->indexes[i]));
    }
    TRY(sql__table_text(a, next));
    for (int i = 0; i < a->sources.n; i++)
        filled |= ((struct column_source *)a->sources.items[i])->fill != NULL;
    if (filled)
        TRY(plan_fill(a, old, next));
    if (a->sources.n || takes_name(old, next))
        a->q->alter_table.file_sql = rewrite(a, old, next);
    return NULL;
}
