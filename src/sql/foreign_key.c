/*
 * Foreign keys that are more than SQLite knows of.
 *
 * Most are a part of the table's text in the file, and SQLite sees to them. One is `watched`
 * instead where SQLite would do something else than PostgreSQL:
 *
 *   NOT VALID, or it was off   SQLite counts violations, and takes a row that violated the key
 *                              before, and is mended or goes, for one less
 *   MATCH FULL of several columns, SET NULL and SET DEFAULT of some: it has none of these
 *   types that lie differently in the file (integer and numeric, date and timestamp)
 *   actions that write into a column of a domain, whose checks it does not know
 *   RESTRICT within one table: it looks before the statement is through
 *
 * A watched key has up to four triggers in the file, on the table that has it (the child) and on
 * the one that it references (the parent). They carry out the actions, and tell what may violate
 * the key: minisql_watched('file name of the child', 'key', what, values ..). Whoever runs the
 * statement looks at those when it ends, or at COMMIT (exec/deferred.c), with sql_key_broken().
 *
 *   'u'  a row whose unique key another row has, too (below)
 *   'c'  a row of the child that has no partner (or, MATCH FULL, a key that is NULL in part)
 *   'p'  a key of the parent that went, and that something refers to
 *   'r'  the same, and it is RESTRICT: another row with that key does not help
 *
 * Unique keys are watched in the same way: those that are DEFERRABLE, whose index is not unique in
 * the file, and of those that are NULLS NOT DISTINCT the rows with a NULL in the key.
 *
 * DISABLE TRIGGER ALL of a table leaves out those on it, until ENABLE TRIGGER ALL.
 *
 * The texts are a part of the table's record (table->triggers), as its DDL is; backups apply what
 * the triggers did, and run none.
 */
#include "sql_int.h"

#include "emit_int.h"

static bool writes(char action)
{
    return action == 'c' || action == 'n' || action == 'd';
}

static bool writes_domain(const struct table *t, const struct foreign_key *fk)
{
    bool all = writes(fk->on_update) || (writes(fk->on_delete) && fk->on_delete != 'c');
    for (int i = 0; i < fk->n_columns && all; i++)
        if (t->columns[fk->columns[i]].domain)
            return true;
    return false;
}

bool sql__mixes_no_nulls(const struct foreign_key *fk)
{
    return fk->match_full && fk->n_columns > 1;
}

bool sql__is_watched(const struct table *t, const struct foreign_key *fk, const struct table *to)
{
    bool fits = true;
    for (int i = 0; i < fk->n_columns; i++)
        fits &=
            sql__foreign_fits(fk, &t->columns[fk->columns[i]], &to->columns[fk->ref_columns[i]]);
    return !fits || fk->not_valid || fk->was_off || fk->n_set || sql__mixes_no_nulls(fk) ||
           (to == t && (fk->on_delete == 'r' || fk->on_update == 'r')) || writes_domain(t, fk);
}

/* ---- texts ---------------------------------------------------------------------------------- */

/* A key in the making; `a` is borrowed for what has to be analysed. */
struct key_text {
    struct analysis *a;
    const struct table *child, *parent;
    const struct foreign_key *fk;
    struct buf *out;
};

static void put_name(struct buf *b, const char *before, const char *name)
{
    buf_puts(b, before);
    sql_quote(name, b);
}

static const struct column *child_column(const struct key_text *k, int i)
{
    return &k->child->columns[k->fk->columns[i]];
}

static const struct column *parent_column(const struct key_text *k, int i)
{
    return &k->parent->columns[k->fk->ref_columns[i]];
}

/* A column's value, which `source` gives, after what `e` does with it. */
static void put_computed(struct key_text *k, const struct expr *e, const char *source,
                         const struct column *c)
{
    struct emitter em = {.out = k->out, .all_bare = true};
    buf_puts(k->out, "(SELECT ");
    sql__emit_expr(&em, e);
    buf_printf(k->out, " FROM (SELECT %s", source);
    put_name(k->out, " AS ", c->name);
    buf_puts(k->out, "))");
}

static struct expr *column_expr(struct analysis *a, const struct table *t, int column)
{
    int n_rtes = a->rtes.n;
    struct expr *e = sql__column(a, sql__base_rte(a, t, t->name, -1), column, -1);
    a->rtes.n = n_rtes; /* it is not one that the statement reads */
    return e;
}

/* The i-th value of the child as one of the parent's type. */
static struct error *as_parent(struct analysis *a, const struct table *t,
                               const struct foreign_key *fk, const struct table *to, int i,
                               struct expr **ret)
{
    return sql__coerce(a, column_expr(a, t, fk->columns[i]), to->columns[fk->ref_columns[i]].type,
                       -1, CAST_IMPLICIT, ret);
}

bool sql__foreign_castable(struct analysis *a, const struct table *t, const struct foreign_key *fk,
                           const struct table *to, int i)
{
    const struct column *from = &t->columns[fk->columns[i]];
    uint32_t parent = to->columns[fk->ref_columns[i]].type;
    struct expr *e;
    /* The blanks of a char(n) count in a string, and not in another char(n). */
    if (from->type == OID_BPCHAR || parent == OID_BPCHAR)
        return false;
    if (!cast_find(from->type, parent, CAST_IMPLICIT))
        return false;
    struct error *wrong = as_parent(a, t, fk, to, i, &e);
    bool castable = !wrong && sql__is_immutable(e);
    error_free(wrong);
    return castable;
}

/* The i-th value of the child, which `source` gives, to be compared with the parent's. */
static struct error *put_child_value(struct key_text *k, int i, const char *source)
{
    const struct column *c = child_column(k, i), *p = parent_column(k, i);
    struct expr *e;
    if (sql__foreign_fits(k->fk, c, p)) {
        buf_puts(k->out, source);
        return NULL;
    }
    TRY(as_parent(k->a, k->child, k->fk, k->parent, i, &e));
    put_computed(k, e, source, c);
    buf_puts(k->out, sql__collation(p->type));
    return NULL;
}

/* How a value is named: NEW."a", c."a", ?1 */
static const char *source_of(struct key_text *k, const char *row, const struct column *c, int i)
{
    struct buf b = {0};
    if (!row)
        return arena_printf(k->a->arena, "?%d", i + 1);
    put_name(&b, row, c->name);
    const char *s = arena_strdup(k->a->arena, b.data);
    buf_done(&b);
    return s;
}

/* A row of the parent with the child's key; `row`: NEW., or NULL: parameters. */
static struct error *put_has_parent(struct key_text *k, const char *row)
{
    put_name(k->out, "EXISTS (SELECT 1 FROM ", table_file_name(k->parent));
    for (int i = 0; i < k->fk->n_columns; i++) {
        put_name(k->out, i ? " AND p." : " p WHERE p.", parent_column(k, i)->name);
        buf_puts(k->out, " = ");
        TRY(put_child_value(k, i, source_of(k, row, child_column(k, i), i)));
    }
    buf_puts(k->out, ")");
    return NULL;
}

/* c.a = OLD.x AND ..: rows of the child with the parent's key. `child`: c., or "" */
static struct error *put_refers(struct key_text *k, const char *child, const char *row)
{
    for (int i = 0; i < k->fk->n_columns; i++) {
        buf_puts(k->out, i ? " AND " : "");
        TRY(put_child_value(k, i, source_of(k, child, child_column(k, i), i)));
        buf_printf(k->out, " = %s", source_of(k, row, parent_column(k, i), i));
    }
    return NULL;
}

static struct error *put_has_child(struct key_text *k, const char *row)
{
    put_name(k->out, "EXISTS (SELECT 1 FROM ", table_file_name(k->child));
    buf_puts(k->out, " c WHERE ");
    TRY(put_refers(k, "c.", row));
    buf_puts(k->out, ")");
    return NULL;
}

static void put_nulls(struct key_text *k, const char *row, const char *between, const char *is)
{
    for (int i = 0; i < k->fk->n_columns; i++)
        buf_printf(k->out, "%s%s %s", i ? between : "", source_of(k, row, child_column(k, i), i),
                   is);
}

/* Does the child's key have no partner, or may it not be? */
static struct error *put_is_orphan(struct key_text *k, const char *row)
{
    bool full = sql__mixes_no_nulls(k->fk);
    if (full) {
        buf_puts(k->out, "NOT (");
        put_nulls(k, row, " AND ", "IS NULL");
        buf_puts(k->out, ") AND (");
        put_nulls(k, row, " OR ", "IS NULL");
        buf_puts(k->out, " OR NOT ");
    } else {
        put_nulls(k, row, " AND ", "IS NOT NULL");
        buf_puts(k->out, " AND NOT ");
    }
    TRY(put_has_parent(k, row));
    buf_puts(k->out, full ? ")" : "");
    return NULL;
}

/* ---- triggers ------------------------------------------------------------------------------- */

/* `rests`: not where a session leaves its triggers out (session_replication_role). */
static void begin_trigger(struct key_text *k, int number, const char *event, bool of_parent,
                          bool rests)
{
    const struct table *on = of_parent ? k->parent : k->child;
    buf_puts(k->out, "CREATE TRIGGER ");
    sql_quote(arena_printf(k->a->arena, "minisql_key:%s:%s:%d", table_file_name(k->child),
                           k->fk->name, number),
              k->out);
    buf_printf(k->out, " AFTER %s ON ", event);
    sql_quote(table_file_name(on), k->out);
    buf_puts(k->out, " WHEN ");
    if (rests)
        buf_puts(k->out, "minisql_watching() AND ");
}

static void put_changed(struct key_text *k, bool of_parent)
{
    for (int i = 0; i < k->fk->n_columns; i++) {
        const char *name = (of_parent ? parent_column(k, i) : child_column(k, i))->name;
        put_name(k->out, i ? " OR OLD." : "(OLD.", name);
        put_name(k->out, " IS NOT NEW.", name);
    }
    buf_puts(k->out, ")");
}

/* Ends the trigger. */
static void put_report(struct key_text *k, char what, const char *row, bool of_parent)
{
    const char *const names[] = {table_file_name(k->child), k->fk->name};
    buf_puts(k->out, "SELECT minisql_watched(");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        sql_emit_value(&(struct value){.kind = VALUE_TEXT, .s = {names[i], strlen(names[i])}},
                       OID_TEXT, k->out);
        buf_puts(k->out, ", ");
    }
    buf_printf(k->out, "'%c'", what);
    for (int i = 0; i < k->fk->n_columns; i++)
        buf_printf(k->out, ", %s",
                   source_of(k, row, of_parent ? parent_column(k, i) : child_column(k, i), i));
    buf_puts(k->out, "); END;\n");
}

static struct error *watch_child(struct key_text *k)
{
    begin_trigger(k, 1, "INSERT", false, true);
    TRY(put_is_orphan(k, "NEW."));
    buf_puts(k->out, " BEGIN ");
    put_report(k, 'c', "NEW.", false);
    begin_trigger(k, 2, "UPDATE", false, true);
    put_changed(k, false);
    buf_puts(k->out, " AND ");
    TRY(put_is_orphan(k, "NEW."));
    buf_puts(k->out, " BEGIN ");
    put_report(k, 'c', "NEW.", false);
    return NULL;
}

static bool sets(const struct foreign_key *fk, int column)
{
    for (int i = 0; i < fk->n_set; i++)
        if (fk->set_columns[i] == column)
            return true;
    return fk->n_set == 0;
}

static struct error *needs_constant(struct analysis *a)
{
    return sql__unsupported(a, -1, "Use a constant as the column's default.",
                            "ON DELETE SET DEFAULT needs a constant default");
}

/* What an action puts into the i-th column: the parent's new value, NULL or the default. */
static struct error *put_action_value(struct key_text *k, char action, int i)
{
    const struct column *c = child_column(k, i), *d = c;
    struct scope s = {.clause = CLAUSE_DEFAULT};
    struct expr *e = NULL;
    int n_hidden = k->a->hidden.n;
    if (action == 'c')
        e = column_expr(k->a, k->parent, k->fk->ref_columns[i]);
    else if (action == 'd' && !c->default_sql)
        d = sql__domain_default(k->a, c);
    if (!e)
        TRY(sql__stored_expr(k->a, &s,
                             action == 'd' && d && d->default_sql ? d->default_sql : "NULL", &e));
    TRY(sql__assign(k->a, e, c, -1, &e));
    if (k->a->hidden.n > n_hidden || !sql__is_immutable(e))
        return needs_constant(k->a);
    const struct column *p = parent_column(k, i);
    put_computed(k, e, action == 'c' ? source_of(k, "NEW.", p, i) : "NULL", p);
    return NULL;
}

static struct error *put_action(struct key_text *k, char action, bool update)
{
    if (action == 'c' && !update) {
        put_name(k->out, "DELETE FROM ", table_file_name(k->child));
    } else {
        const char *before = " SET ";
        put_name(k->out, "UPDATE ", table_file_name(k->child));
        for (int i = 0; i < k->fk->n_columns; i++) {
            if (!update && !sets(k->fk, k->fk->columns[i]))
                continue;
            put_name(k->out, before, child_column(k, i)->name);
            buf_puts(k->out, " = ");
            TRY(put_action_value(k, action, i));
            before = ", ";
        }
    }
    buf_puts(k->out, " WHERE ");
    TRY(put_refers(k, "", "OLD."));
    if (action == 'd') { /* which may be what it was */
        buf_puts(k->out, "; ");
        put_report(k, 'p', "OLD.", true);
    } else {
        buf_puts(k->out, "; END;\n");
    }
    return NULL;
}

static struct error *watch_parent(struct key_text *k, bool update)
{
    char action = update ? k->fk->on_update : k->fk->on_delete;
    begin_trigger(k, update ? 4 : 3, update ? "UPDATE" : "DELETE", true, true);
    if (update) {
        put_changed(k, true);
        buf_puts(k->out, " AND ");
    }
    TRY(put_has_child(k, "OLD."));
    buf_puts(k->out, " BEGIN ");
    if (writes(action))
        return put_action(k, action, update);
    put_report(k, action == 'r' ? 'r' : 'p', "OLD.", true);
    return NULL;
}

struct error *sql__key_triggers(struct analysis *a, const struct table *t,
                                const struct foreign_key *fk, const struct table *to,
                                struct buf *out)
{
    struct key_text k = {.a = a, .child = t, .parent = to, .fk = fk, .out = out};
    if (table_is_temporary(t))
        return sql__unsupported(a, -1, "Use a plain foreign key.",
                                "this form of foreign key of a temporary table is not supported");
    if (!fk->child_off)
        TRY(watch_child(&k));
    if (fk->parent_off)
        return NULL;
    TRY(watch_parent(&k, false));
    return watch_parent(&k, true);
}

/* ---- unique keys ---------------------------------------------------------------------------- */

/* More than one row has the key of `row` (NULL: of the parameters). */
static void put_is_duplicate(struct key_text *k, const struct key *key, const char *row)
{
    if (!key->deferrable) {
        buf_puts(k->out, "(");
        put_nulls(k, row, " OR ", "IS NULL");
        buf_puts(k->out, ") AND ");
    }
    put_name(k->out, "(SELECT count(*) FROM (SELECT 1 FROM ", table_file_name(k->child));
    for (int i = 0; i < key->n_columns; i++) {
        const struct column *c = &k->child->columns[key->columns[i]];
        put_name(k->out, i ? " AND x." : " x WHERE x.", c->name);
        buf_printf(k->out, " %s %s", key->nulls_equal ? "IS" : "=", source_of(k, row, c, i));
    }
    buf_puts(k->out, " LIMIT 2)) > 1");
}

void sql__unique_triggers(struct analysis *a, const struct table *t, const struct key *key,
                          struct buf *out)
{
    const struct foreign_key as_foreign = {
        .name = key->name, .n_columns = key->n_columns, .columns = key->columns};
    struct key_text k = {.a = a, .child = t, .fk = &as_foreign, .out = out};
    begin_trigger(&k, 1, "INSERT", false, key->deferrable);
    put_is_duplicate(&k, key, "NEW.");
    buf_puts(out, " BEGIN ");
    put_report(&k, 'u', "NEW.", false);
    begin_trigger(&k, 2, "UPDATE", false, key->deferrable);
    put_changed(&k, false);
    buf_puts(out, " AND ");
    put_is_duplicate(&k, key, "NEW.");
    buf_puts(out, " BEGIN ");
    put_report(&k, 'u', "NEW.", false);
}

void sql_unique_broken(const struct table *t, const struct key *key, struct arena *arena,
                       struct buf *out)
{
    const struct foreign_key as_foreign = {
        .name = key->name, .n_columns = key->n_columns, .columns = key->columns};
    struct analysis a = {.arena = arena};
    struct key_text k = {.a = &a, .child = t, .fk = &as_foreign, .out = out};
    buf_puts(out, "SELECT 1 WHERE ");
    put_is_duplicate(&k, key, NULL);
}

/* ---- the question --------------------------------------------------------------------------- */

struct error *sql_key_broken(const struct catalog_view *v, const struct sql_suspect *s, char what,
                             struct arena *arena, struct buf *out)
{
    struct sql_context ctx = {.view = catalog_of_database(v, s->child->database)};
    struct sql_script script = {.text = "", .parsed = ""};
    struct analysis a = {.ctx = &ctx, .arena = arena, .script = &script};
    a.path = sql__path(&ctx, arena);
    a.q = ARENA_NEW(arena, struct query);
    struct key_text k = {.a = &a, .child = s->child, .parent = s->parent, .fk = s->fk, .out = out};
    buf_puts(out, "SELECT 1 WHERE ");
    if (what == 'c') {
        put_name(out, "EXISTS (SELECT 1 FROM ", table_file_name(k.child));
        for (int i = 0; i < k.fk->n_columns; i++) {
            put_name(out, i ? " AND c." : " c WHERE c.", child_column(&k, i)->name);
            buf_printf(out, " IS ?%d", i + 1);
        }
        buf_puts(out, ") AND ");
        return put_is_orphan(&k, NULL);
    }
    TRY(put_has_child(&k, NULL));
    if (what == 'r')
        return NULL;
    put_name(out, " AND NOT EXISTS (SELECT 1 FROM ", table_file_name(k.parent));
    for (int i = 0; i < k.fk->n_columns; i++) {
        put_name(out, i ? " AND p." : " p WHERE p.", parent_column(&k, i)->name);
        buf_printf(out, " = ?%d", i + 1);
    }
    buf_puts(out, ")");
    return NULL;
}
