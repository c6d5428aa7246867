/*
 * CREATE TABLE.
 *
 * A new table is handed over as the catalog's struct table, with the SQLite text that makes it:
 * STRICT, an integer primary key as the row id, everything else as declared constraints. DEFAULT
 * and CHECK are kept as PostgreSQL text (a slice of the statement), since the catalog is read by
 * every server and analysed there; CHECK is in the SQLite text, too.
 *
 * Constraints get PostgreSQL's names (t_pkey, t_a_key, t_a_check, t_a_fkey).
 */
#include "sql_int.h"

#include "emit_int.h"
#include "lex.h"

#include <math.h>
#include <strings.h>

/* ---- names
 * ---------------------------------------------------------------------------------------------- */

static bool check_taken(const struct table_draft *d, int from, const char *name)
{
    for (int i = from; i < d->checks.n; i++) {
        if (strcmp(((struct check *)d->checks.items[i])->name, name) == 0)
            return true;
    }
    return false;
}

static bool name_taken(const struct table_draft *d, const char *name)
{
    for (int i = 0; i < d->keys.n; i++) {
        if (strcmp(((struct key *)d->keys.items[i])->name, name) == 0)
            return true;
    }
    if (check_taken(d, 0, name))
        return true;
    for (int i = 0; i < d->foreign_keys.n; i++) {
        if (strcmp(((struct foreign_key *)d->foreign_keys.items[i])->name, name) == 0)
            return true;
    }
    return false;
}

/* table_column_column_suffix, cut to 63 bytes from the longer part, as PostgreSQL does */
char *sql__make_name(struct analysis *a, const char *table, const char *columns, const char *suffix)
{
    size_t room = CATALOG_NAME_MAX - strlen(suffix) - 1 - (columns ? 1 : 0);
    size_t t = strlen(table), c = columns ? strlen(columns) : 0;
    while (t + c > room) {
        if (t > c)
            t--;
        else
            c--;
    }
    return columns ? arena_printf(a->arena, "%.*s_%.*s_%s", (int)t, table, (int)c, columns, suffix)
                   : arena_printf(a->arena, "%.*s_%s", (int)t, table, suffix);
}

static char *choose_name(struct analysis *a, const struct table_draft *d, const char *columns,
                         const char *suffix)
{
    char *name = sql__make_name(a, d->t->name, columns, suffix);
    for (int i = 1; name_taken(d, name) || sql__relation_exists(a, d->t->schema, name); i++)
        name = sql__make_name(a, d->t->name, columns, arena_printf(a->arena, "%s%d", suffix, i));
    return name;
}

static struct error *given_name(struct analysis *a, const struct table_draft *d,
                                const Constraint *n, const char *columns, const char *suffix,
                                char **ret)
{
    if (!n->conname) {
        *ret = choose_name(a, d, columns, suffix);
        return NULL;
    }
    *ret = arena_strdup(a->arena, n->conname);
    bool key = n->contype == CONSTR_PRIMARY || n->contype == CONSTR_UNIQUE;
    if (key && sql__relation_exists(a, d->t->schema, *ret))
        return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists", *ret);
    if (n->contype == CONSTR_CHECK && check_taken(d, d->n_old_checks, *ret))
        return d->t->id ? error_new("42710", "constraint \"%s\" for relation \"%s\" already exists",
                                    n->conname, d->t->name)
                        : error_new("42710", "check constraint \"%s\" already exists", n->conname);
    if (name_taken(d, *ret))
        return sql__at(a,
                       error_new("42710", "constraint \"%s\" for relation \"%s\" already exists",
                                 n->conname, d->t->name),
                       d->t->id ? -1 : n->location);
    return NULL;
}

char *sql__joined_columns(struct analysis *a, const struct table *t, const int *columns, int n)
{
    char *s = arena_strdup(a->arena, t->columns[columns[0]].name);
    for (int i = 1; i < n; i++)
        s = arena_printf(a->arena, "%s_%s", s, t->columns[columns[i]].name);
    return s;
}

/* ---- slices of the statement
 * ----------------------------------------------------------------------------- */

/* What stands in the parentheses of a CHECK that begins at `location`. */
char *sql__check_text(const struct analysis *a, int location)
{
    const char *text = a->script->parsed, *end = text + strlen(text);
    const char *p = text + location, *start = NULL;
    struct token t;
    int depth = 0;
    do {
        p = sql__lex(p, end, &t);
        if (t.kind != TOKEN_PUNCTUATION)
            continue;
        if (*t.start == '(' && depth++ == 0)
            start = t.start + 1;
        if (*t.start == ')' && --depth == 0)
            break;
    } while (t.kind != TOKEN_END);
    return (char *)sql__slice(a, (size_t)(start - text), (size_t)(t.start - text));
}

static bool ends_default(const struct token *t)
{
    static const char *const words[] = {"constraint", "not",        "null",       "unique",
                                        "primary",    "check",      "references", "generated",
                                        "collate",    "deferrable", "initially",  "default"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (sql__is_word(t, words[i]))
            return true;
    }
    return t->kind == TOKEN_END ||
           (t->kind == TOKEN_PUNCTUATION && strchr(",;)", *t->start) != NULL);
}

/* The expression after DEFAULT: up to the next constraint, comma or parenthesis of the column list.
 */
static char *default_text(const struct analysis *a, int location)
{
    const char *text = a->script->parsed, *end = text + strlen(text);
    const char *p = text + location, *last;
    struct token t;
    do {
        p = sql__lex(p, end, &t);
    } while (!sql__is_word(&t, "default") && t.kind != TOKEN_END);
    const char *start = last = p;
    int depth = 0;
    for (bool first = true;; first = false) {
        p = sql__lex(p, end, &t);
        if (t.kind == TOKEN_END || (depth == 0 && !first && ends_default(&t)))
            break;
        if (t.kind == TOKEN_PUNCTUATION && strchr("([", *t.start))
            depth++;
        if (t.kind == TOKEN_PUNCTUATION && strchr(")]", *t.start))
            depth--;
        if (sql__is_word(&t, "case"))
            depth++;
        if (sql__is_word(&t, "end"))
            depth--;
        last = p;
    }
    while (start < last && strchr(" \t\r\n\f", *start))
        start++;
    return (char *)sql__slice(a, (size_t)(start - text), (size_t)(last - text));
}

/* ---- columns
 * -----------------------------------------------------------------------------------------------
 */

struct error *sql__check_identifier(const struct analysis *a, const char *what, const char *name,
                                    int location)
{
    if (strncasecmp(name, "minisql_", 8) == 0 || strncasecmp(name, "sqlite_", 7) == 0) {
        struct error *e = error_new("42939", "%s name \"%s\" is reserved", what, name);
        error_hint(e, "Names that begin with minisql_ or sqlite_ are for the system's own use.");
        return sql__at(a, e, location);
    }
    return NULL;
}

static struct error *system_column(const char *name)
{
    return sql__is_system_column(name)
               ? error_new(E_DUPLICATE_COLUMN,
                           "column name \"%s\" conflicts with a system column name", name)
               : NULL;
}

static struct error *check_case(const struct analysis *a, const char *one, const char *name,
                                int location)
{
    if (strcasecmp(one, name) != 0)
        return NULL;
    return sql__unsupported(a, location, "Choose names that differ in more than that.",
                            "columns \"%s\" and \"%s\" differ only in the case of letters", one,
                            name);
}

static struct error *check_column_name(const struct analysis *a, const struct table *t,
                                       const ColumnDef *n)
{
    for (int i = 0; i < t->n_columns; i++) {
        if (t->columns[i].dropped)
            continue;
        if (strcmp(t->columns[i].name, n->colname) == 0)
            return error_new(E_DUPLICATE_COLUMN, "column \"%s\" specified more than once",
                             n->colname);
        TRY(check_case(a, t->columns[i].name, n->colname, n->location));
    }
    return sql__at(a, system_column(n->colname), t->id ? -1 : n->location);
}

struct error *sql__check_new_column(const struct analysis *a, const struct table *t,
                                    const char *name, int but)
{
    for (int i = 0; i < t->n_columns; i++) {
        if (t->columns[i].dropped)
            continue;
        if (strcmp(t->columns[i].name, name) == 0)
            return error_new(E_DUPLICATE_COLUMN, "column \"%s\" of relation \"%s\" already exists",
                             name, t->name);
        if (i != but)
            TRY(check_case(a, t->columns[i].name, name, -1));
    }
    return system_column(name);
}

struct error *sql__check_result_type(const struct analysis *a, const char *name, uint32_t oid)
{
    const struct type *type = type_by_oid(oid);
    if (oid == OID_RECORD || oid == OID_RECORD_ARRAY)
        return error_new("42P16", "column \"%s\" has pseudo-type %s", name, sql__type(a, oid));
    if (type && type->column)
        return NULL;
    return sql__unsupported(a, -1, "Cast it to another type.",
                            "a column of type %s is not supported", sql__type(a, oid));
}

struct error *sql__check_column_type(const struct analysis *a, const ColumnDef *n,
                                     const struct type *type)
{
    if (!type->column)
        return sql__unsupported(a, n->typeName->location, "Use another type.",
                                "a column of type %s is not supported", type->sql_name);
    if (n->compression)
        return sql__unsupported(a, n->location, "Leave COMPRESSION out.",
                                "this property of column \"%s\" is not supported", n->colname);
    return n->collClause ? sql__check_collation(a, n->collClause, type) : NULL;
}

static struct error *add_column(struct analysis *a, struct table *t, const ColumnDef *n)
{
    const struct type *type = type_by_oid(sql__serial_type(n->typeName));
    struct column *c = &t->columns[t->n_columns];
    TRY(check_column_name(a, t, n));
    c->typmod = -1;
    if (!type)
        TRY(sql__type_name(a, n->typeName, &type, &c->typmod, &c->domain));
    TRY(sql__check_column_type(a, n, type));
    c->name = arena_strdup(a->arena, n->colname);
    c->type = type->oid;
    c->not_null = n->is_not_null;
    t->n_columns++;
    return NULL;
}

static struct error *twice(const struct analysis *a, const struct table *t, const struct column *c,
                           const char *what, int location)
{
    return sql__at(a,
                   error_new(E_SYNTAX, "multiple %s for column \"%s\" of table \"%s\"", what,
                             c->name, t->name),
                   location);
}

static struct error *both(const struct analysis *a, const struct table *t, const struct column *c,
                          const char *what, int location)
{
    return sql__at(a,
                   error_new(E_SYNTAX, "both %s specified for column \"%s\" of table \"%s\"", what,
                             c->name, t->name),
                   location);
}

static struct error *own_sequence(struct analysis *a, struct table_draft *d, int column,
                                  const List *options)
{
    struct table *t = d->t;
    struct column *c = &t->columns[column];
    struct sequence *s;
    TRY(sql__column_sequence(a, &d->sequences, t, c, options, &s));
    if (!c->identity)
        c->default_sql = sql_next_value_text(s->schema, s->name, a->arena);
    struct owned_sequence *owned = ARENA_ARRAY(a->arena, struct owned_sequence, t->n_owned + 1);
    for (int i = 0; i < t->n_owned; i++)
        owned[i] = t->owned[i];
    owned[t->n_owned++] = (struct owned_sequence){.column = column};
    t->owned = owned;
    c->not_null = true;
    return NULL;
}

static struct error *set_identity(struct analysis *a, struct table_draft *d, int column,
                                  const Constraint *n)
{
    struct column *c = &d->t->columns[column];
    if (c->identity)
        return twice(a, d->t, c, "identity specifications", n->location);
    if (c->generated)
        return both(a, d->t, c, "identity and generation expression", n->location);
    if (c->default_sql)
        return both(a, d->t, c, "default and identity", n->location);
    c->identity = n->generated_when;
    return own_sequence(a, d, column, n->options);
}

static struct error *default_fits(const struct analysis *a, const struct column *c,
                                  const struct expr *e)
{
    if (sql__can_coerce(e, c->type, CAST_ASSIGNMENT))
        return NULL;
    struct error *err = error_new(
        E_TYPE_MISMATCH, "column \"%s\" is of type %s but default expression is of type %s",
        c->name, sql__type(a, c->type), sql__type(a, e->type));
    return error_hint(err, "You will need to rewrite or cast the expression.");
}

/* `keyword`: where DEFAULT stands before the expression. */
struct error *sql__take_default(struct analysis *a, struct table *t, int column, const Node *n,
                                int keyword)
{
    struct column *c = &t->columns[column];
    struct scope s = {.clause = CLAUSE_DEFAULT};
    struct expr *e;
    TRY(sql__expr(a, &s, n, &e));
    TRY(default_fits(a, c, e));
    c->sequence = sql__is_next_value(a, e);
    TRY(sql__coerce(a, e, c->type, c->typmod, CAST_ASSIGNMENT, &e));
    const struct sequence *of = c->sequence ? sql__sequence_of(a, c->sequence) : NULL;
    if (of && sql__is_temporary(of->schema) && !table_is_temporary(t))
        return sql__unsupported(a, -1, "Use a sequence that stays.",
                                "a temporary sequence in a default of a permanent table is not "
                                "supported");
    c->default_sql =
        of ? sql_next_value_text(of->schema, of->name, a->arena) : default_text(a, keyword);
    c->default_id = 0;
    return NULL;
}

static struct error *set_default(struct analysis *a, struct table *t, int column,
                                 const Constraint *n)
{
    const struct column *c = &t->columns[column];
    if (c->generated)
        return both(a, t, c, "default and generation expression", n->location);
    if (c->default_sql)
        return twice(a, t, c, "default values specified", n->location);
    if (c->identity)
        return both(a, t, c, "default and identity", n->location);
    return sql__take_default(a, t, column, n->raw_expr, n->location);
}

/* GENERATED ALWAYS AS (..): its text; the expression is looked at when all columns are known. */
static struct error *set_generated(const struct analysis *a, struct table *t, int column,
                                   const Constraint *n)
{
    struct column *c = &t->columns[column];
    if (c->generated)
        return twice(a, t, c, "generation clauses specified", n->location);
    if (c->domain)
        return sql__unsupported(a, n->location, "Give the column the type beneath the domain.",
                                "a generated column of a domain is not supported");
    if (c->default_sql)
        return both(a, t, c, "default and generation expression", n->location);
    if (c->identity)
        return both(a, t, c, "identity and generation expression", n->location);
    c->generated = true;
    c->default_sql = sql__check_text(a, n->location);
    return NULL;
}

struct generated_use {
    const struct table *t;
    const struct expr *found;
};

static bool find_generated(void *ctx, const struct expr *e)
{
    struct generated_use *u = ctx;
    if (e->kind == EXPR_COLUMN && e->col.column >= 0 && u->t->columns[e->col.column].generated &&
        !u->found)
        u->found = e;
    return true;
}

static struct error *check_generated(struct analysis *a, struct rte *rte, int column,
                                     const Constraint *n)
{
    const struct table *t = rte->table;
    const struct column *c = &t->columns[column];
    struct scope s = {.clause = CLAUSE_GENERATED};
    struct expr *e;
    struct generated_use use = {.t = t};
    sql__add_item(a, &s, rte);
    TRY(sql__expr(a, &s, n->raw_expr, &e));
    expr_walk(e, false, find_generated, &use);
    if (use.found) {
        struct error *err =
            error_new("42P17", "cannot use generated column \"%s\" in column generation expression",
                      t->columns[use.found->col.column].name);
        error_detail(err, "A generated column cannot reference another generated column.");
        return sql__at(a, err, use.found->position - 1);
    }
    TRY(default_fits(a, c, e));
    TRY(sql__coerce(a, e, c->type, c->typmod, CAST_ASSIGNMENT, &e));
    return sql__is_immutable(e) ? NULL
                                : error_new("42P17", "generation expression is not immutable");
}

/* In ALTER TABLE, PostgreSQL tells no place in a default. */
static struct error *nowhere(struct error *e)
{
    if (e)
        e->position = 0;
    return e;
}

struct error *sql__set_default(struct analysis *a, struct table *t, int column, const Node *n)
{
    const char *text = a->script->parsed, *end = text + strlen(text), *p = text;
    int before = sql__location(n), keyword = 0;
    struct token k;
    do {
        p = sql__lex(p, end, &k);
        if (sql__is_word(&k, "default") && k.start - text < before)
            keyword = (int)(k.start - text);
    } while (k.kind != TOKEN_END && k.start - text < before);
    return nowhere(sql__take_default(a, t, column, n, keyword));
}

/* ---- constraints
 * -------------------------------------------------------------------------------------------- */

/* ALTER TABLE tells no place; there a primary key sets its columns NOT NULL first, which is what
 * fails. */
static struct error *no_key_column(const struct analysis *a, const struct table *t,
                                   const Constraint *n, const char *name)
{
    if (t->id && n->contype == CONSTR_PRIMARY)
        return sql__is_system_column(name)
                   ? error_new(E_UNSUPPORTED, "cannot alter system column \"%s\"", name)
                   : error_new(E_UNDEFINED_COLUMN,
                               "column \"%s\" of relation \"%s\" does not exist", name, t->name);
    return sql__at(a,
                   error_new(E_UNDEFINED_COLUMN, "column \"%s\" named in key does not exist", name),
                   t->id ? -1 : n->location);
}

struct error *sql__key_columns(struct analysis *a, const struct table *t, const Constraint *n,
                               int *ret_n, int **ret)
{
    *ret_n = list_length(n->keys);
    *ret = ARENA_ARRAY(a->arena, int, MAX(*ret_n, 1));
    for (int i = 0; i < *ret_n; i++) {
        const char *name = strVal(list_nth(n->keys, i));
        (*ret)[i] = table_column(t, name);
        if ((*ret)[i] < 0)
            return no_key_column(a, t, n, name);
        for (int k = 0; k < i; k++) {
            if ((*ret)[k] == (*ret)[i])
                return sql__at(a,
                               error_new(E_DUPLICATE_COLUMN,
                                         "column \"%s\" appears twice in %s constraint", name,
                                         n->contype == CONSTR_PRIMARY ? "primary key" : "unique"),
                               n->location);
        }
    }
    return NULL;
}

struct error *sql__check_constraint_form(const struct analysis *a, const Constraint *n)
{
    if (n->indexname && (n->deferrable || n->nulls_not_distinct))
        return sql__unsupported(a, n->location, "Name the columns.",
                                "this form of USING INDEX is not supported");
    if (n->including || n->where_clause || n->access_method || n->exclusions)
        return sql__unsupported(a, n->location,
                                "Use plain PRIMARY KEY (columns) or UNIQUE (columns).",
                                "this form of constraint is not supported");
    return NULL;
}

static struct error *add_key(struct analysis *a, struct table_draft *d, const Constraint *n,
                             int column)
{
    struct key *k = ARENA_NEW(a->arena, struct key);
    k->primary = n->contype == CONSTR_PRIMARY;
    k->deferrable = n->deferrable;
    k->deferred = n->initdeferred;
    k->nulls_equal = n->nulls_not_distinct;
    if (table_is_temporary(d->t) && key_is_watched(k))
        return sql__unsupported(a, n->location, "Leave DEFERRABLE and NULLS NOT DISTINCT out.",
                                "this form of key of a temporary table is not supported");
    TRY(sql__check_constraint_form(a, n));
    TRY(sql__set_options(a, OPTIONS_OF_INDEX, n->options, &k->options));
    TRY(sql__check_tablespace(n->indexspace));
    if (n->indexname) {
        TRY(sql__key_of_index(a, d->t, n, k));
    } else if (column >= 0) {
        k->n_columns = 1;
        k->columns = ARENA_NEW(a->arena, int);
        k->columns[0] = column;
    } else {
        TRY(sql__key_columns(a, d->t, n, &k->n_columns, &k->columns));
    }
    for (int i = 0; i < d->keys.n && k->primary; i++) {
        if (((struct key *)d->keys.items[i])->primary)
            return sql__at(a,
                           error_new("42P16",
                                     "multiple primary keys for table \"%s\" are not allowed",
                                     d->t->name),
                           i < d->n_old_keys ? -1 : n->location);
    }
    const char *columns =
        k->primary ? NULL : sql__joined_columns(a, d->t, k->columns, k->n_columns);
    if (!n->indexname)
        TRY(given_name(a, d, n, columns, k->primary ? "pkey" : "key", &k->name));
    for (int i = 0; i < k->n_columns && k->primary; i++)
        d->t->columns[k->columns[i]].not_null = true;
    sql__push(a->arena, &d->keys, k);
    return NULL;
}

struct named_columns {
    int first, n;
};

static bool count_columns(void *ctx, const struct expr *e)
{
    struct named_columns *c = ctx;
    if (e->kind == EXPR_COLUMN && (c->n == 0 || c->first != e->col.column)) {
        c->first = e->col.column;
        c->n++;
    }
    return true;
}

static struct error *add_check(struct analysis *a, struct table_draft *d, const Constraint *n,
                               int column)
{
    struct check *c = ARENA_NEW(a->arena, struct check);
    struct scope s = {.clause = CLAUSE_CHECK};
    struct expr *e;
    int n_hidden = a->hidden.n; /* those before are of a DEFAULT */
    struct named_columns named = {0};
    sql__add_item(a, &s, d->rte);
    struct error *wrong = sql__expr(a, &s, n->raw_expr, &e);
    if (!wrong)
        wrong = sql__boolean(a, e, "CHECK", &e);
    if (wrong)
        return d->t->id ? nowhere(wrong) : wrong;
    if (a->n_params)
        return sql__at(a, error_new("42P02", "there is no parameter $1"), n->location);
    if (a->hidden.n > n_hidden)
        return sql__unsupported(a, n->location, "Compare with a constant.",
                                "CHECK may not hang on the time or the user");
    expr_walk(e, false, count_columns, &named);
    if (named.n == 1)
        column = named.first;
    TRY(given_name(a, d, n, named.n == 1 || column >= 0 ? d->t->columns[column].name : NULL,
                   "check", &c->name));
    c->sql = sql__check_text(a, n->location);
    c->not_valid = n->skip_validation && d->t->id;
    sql__push(a->arena, &d->checks, c);
    return NULL;
}

static const struct key *primary_key(const struct table_draft *d, const struct table *t)
{
    for (int i = 0; t == d->t && i < d->keys.n; i++) {
        const struct key *k = d->keys.items[i];
        if (k->primary)
            return k;
    }
    for (int i = 0; i < t->n_keys; i++) {
        if (t->keys[i].primary)
            return &t->keys[i];
    }
    return NULL;
}

static bool same_set(const int *x, int n_x, const int *y, int n_y)
{
    int common = 0;
    for (int i = 0; i < n_x; i++) {
        for (int k = 0; k < n_y; k++)
            common += x[i] == y[k];
    }
    return n_x == n_y && common == n_x;
}

/* `deferrable`: those that are, which do not count. */
static bool has_key(const struct table_draft *d, const struct table *t, const int *columns, int n,
                    bool deferrable)
{
    for (int i = 0; t == d->t && i < d->keys.n; i++) {
        const struct key *k = d->keys.items[i];
        if (k->deferrable == deferrable && same_set(k->columns, k->n_columns, columns, n))
            return true;
    }
    for (int i = 0; i < t->n_keys; i++) {
        if (t->keys[i].deferrable == deferrable &&
            same_set(t->keys[i].columns, t->keys[i].n_columns, columns, n))
            return true;
    }
    for (int i = 0; i < t->n_indexes && !deferrable; i++) {
        if (t->indexes[i].unique && !t->indexes[i].watched && !t->indexes[i].nulls_equal &&
            !t->indexes[i].where_sql &&
            same_set(t->indexes[i].columns, t->indexes[i].n_columns, columns, n))
            return true;
    }
    return false;
}

static struct error *no_foreign_column(const char *name)
{
    if (sql__is_system_column(name))
        return error_new(E_UNSUPPORTED, "system columns cannot be used in foreign keys");
    return error_new(E_UNDEFINED_COLUMN,
                     "column \"%s\" referenced in foreign key constraint does not exist", name);
}

static struct error *named_columns(struct analysis *a, const struct table *t, const List *names,
                                   int *ret_n, int **ret)
{
    *ret_n = list_length(names);
    *ret = ARENA_ARRAY(a->arena, int, *ret_n + 1);
    for (int i = 0; i < *ret_n; i++) {
        const char *name = strVal(list_nth(names, i));
        (*ret)[i] = table_column(t, name);
        if ((*ret)[i] < 0)
            return no_foreign_column(name);
    }
    return NULL;
}

/* ON DELETE SET NULL (columns) */
static struct error *set_columns(struct analysis *a, const struct table *t, const Constraint *n,
                                 struct foreign_key *fk)
{
    TRY(named_columns(a, t, n->fk_del_set_cols, &fk->n_set, &fk->set_columns));
    for (int i = 0; i < fk->n_set; i++) {
        bool part = false;
        for (int k = 0; k < fk->n_columns; k++)
            part |= fk->columns[k] == fk->set_columns[i];
        if (!part)
            return error_new("42P10",
                             "column \"%s\" referenced in ON DELETE SET action must be part of "
                             "foreign key",
                             t->columns[fk->set_columns[i]].name);
    }
    return NULL;
}

static struct error *referenced_columns(struct analysis *a, struct table_draft *d,
                                        const Constraint *n, const struct table *to,
                                        struct foreign_key *fk)
{
    int count;
    if (n->pk_attrs) {
        count = list_length(n->pk_attrs);
        fk->ref_columns = ARENA_ARRAY(a->arena, int, count);
        for (int i = 0; i < count; i++) {
            const char *name = strVal(list_nth(n->pk_attrs, i));
            fk->ref_columns[i] = table_column(to, name);
            if (fk->ref_columns[i] < 0)
                return no_foreign_column(name);
        }
    } else {
        const struct key *pk = primary_key(d, to);
        if (!pk)
            return error_new(E_UNDEFINED_OBJECT,
                             "there is no primary key for referenced table \"%s\"", to->name);
        if (pk->deferrable)
            return error_new("55000",
                             "cannot use a deferrable primary key for referenced table \"%s\"",
                             to->name);
        count = pk->n_columns;
        fk->ref_columns = pk->columns;
    }
    if (count != fk->n_columns)
        return error_new("42830",
                         "number of referencing and referenced columns for foreign key disagree");
    if (!has_key(d, to, fk->ref_columns, count, false) &&
        has_key(d, to, fk->ref_columns, count, true))
        return error_new("55000",
                         "cannot use a deferrable unique constraint for referenced table \"%s\"",
                         to->name);
    if (!has_key(d, to, fk->ref_columns, count, false))
        return error_new(
            "42830",
            "there is no unique constraint matching given keys for referenced table \"%s\"",
            to->name);
    return NULL;
}

/* Values of both have to be equal where they are in the file: a date is no timestamp there. And
 * CASCADE copies the value, which would be a char(n) of another length. */
bool sql__foreign_fits(const struct foreign_key *fk, const struct column *from,
                       const struct column *to)
{
    const struct type *x = type_by_oid(from->type), *y = type_by_oid(to->type);
    if (x == y && x->oid == OID_BPCHAR && fk->on_update == 'c')
        return from->typmod == to->typmod;
    bool wide =
        x->category == 'N' || x->category == 'S' || x->category == 'I' || x->category == 'V';
    return x == y || (wide && x->storage == y->storage && x->category == y->category &&
                      strcmp(sql__collation(x->oid), sql__collation(y->oid)) == 0);
}

/* PostgreSQL compares them with each other, by the session's time zone. */
static bool is_point_in_time(uint32_t type)
{
    return type == OID_DATE || type == OID_TIMESTAMP || type == OID_TIMESTAMPTZ;
}

struct error *sql__foreign_mismatch(struct analysis *a, const struct foreign_key *fk,
                                    const struct column *from, const struct column *to)
{
    const char *x = sql__type(a, from->type), *y = sql__type(a, to->type);
    if (from->type == to->type)
        return sql__unsupported(a, -1, "Give both columns the same type.",
                                "ON UPDATE CASCADE from a column of type %s to one of type %s is "
                                "not supported",
                                type_label(to->type, to->typmod, a->arena),
                                type_label(from->type, from->typmod, a->arena));
    if (cast_find(from->type, to->type, CAST_IMPLICIT) ||
        (is_point_in_time(from->type) && is_point_in_time(to->type)))
        return sql__unsupported(a, -1, "Give both columns the same type.",
                                "a foreign key from a column of type %s to one of type %s is not "
                                "supported",
                                x, y);
    return error_detail(
        error_new(E_TYPE_MISMATCH, "foreign key constraint \"%s\" cannot be implemented", fk->name),
        "Key columns \"%s\" and \"%s\" are of incompatible types: %s and %s.", from->name, to->name,
        x, y);
}

static struct error *foreign_types(struct analysis *a, const struct table_draft *d,
                                   const struct table *to, const struct foreign_key *fk)
{
    for (int i = 0; i < fk->n_columns; i++) {
        const struct column *from = &d->t->columns[fk->columns[i]],
                            *ref = &to->columns[fk->ref_columns[i]];
        if (!sql__foreign_fits(fk, from, ref) && !sql__foreign_castable(a, d->t, fk, to, i))
            return sql__foreign_mismatch(a, fk, from, ref);
    }
    return NULL;
}

/* Does the name mean the table that is being made? */
static bool is_itself(const struct analysis *a, const struct table *t, const RangeVar *rv)
{
    if (strcmp(rv->relname, t->name) != 0)
        return false;
    return rv->schemaname ? strcmp(rv->schemaname, t->schema) == 0 : !sql__lookup_table(a, rv);
}

/* A new table goes where those are that it references. */
static struct error *check_region(const struct analysis *a, const struct table *t,
                                  const struct table *to)
{
    if (!t->id || to->region == t->region)
        return NULL;
    return sql__unsupported(
        a, -1,
        "Create one of the two WITH (colocate_with = '..') the other, or with the foreign key; or "
        "create the database WITH COLOCATION = true.",
        "a foreign key between tables of different regions is not supported: \"%s\" and \"%s\"",
        t->name, to->name);
}

/* Nobody sets a generated column. */
static struct error *check_actions(const struct table *t, const struct foreign_key *fk)
{
    bool generated = false, update = fk->on_update != 'a' && fk->on_update != 'r';
    for (int i = 0; i < fk->n_columns; i++)
        generated |= t->columns[fk->columns[i]].generated;
    if (!generated || (!update && fk->on_delete != 'n' && fk->on_delete != 'd'))
        return NULL;
    return error_new(E_SYNTAX,
                     "invalid %s action for foreign key constraint containing generated column",
                     update ? "ON UPDATE" : "ON DELETE");
}

static struct error *add_foreign_key(struct analysis *a, struct table_draft *d, const Constraint *n,
                                     int column)
{
    struct foreign_key *fk = ARENA_NEW(a->arena, struct foreign_key);
    const struct table *to = d->t;
    TRY(sql__check_constraint_form(a, n));
    fk->match_full = n->fk_matchtype == 'f';
    if (sql__lookup_view(a, n->pktable))
        return error_new("42809", "referenced relation \"%s\" is not a table", n->pktable->relname);
    if (!is_itself(a, d->t, n->pktable))
        TRY(sql__find_relation(a, n->pktable, &to));
    if (to->id && to->id == d->t->id) /* altered: with the keys that it gets in this statement */
        to = d->t;
    if (table_is_temporary(d->t) && n->deferrable)
        return sql__unsupported(a, n->location, "Leave DEFERRABLE out.",
                                "a deferrable constraint of a temporary table is not supported");
    if (table_is_temporary(d->t) != table_is_temporary(to))
        return error_new("42P16", "constraints on %s tables may reference only %s tables",
                         table_is_temporary(to) ? "permanent" : "temporary",
                         table_is_temporary(to) ? "permanent" : "temporary");
    TRY(check_region(a, d->t, to));
    if (column >= 0) {
        fk->n_columns = 1;
        fk->columns = ARENA_NEW(a->arena, int);
        fk->columns[0] = column;
    } else {
        TRY(named_columns(a, d->t, n->fk_attrs, &fk->n_columns, &fk->columns));
    }
    TRY(set_columns(a, d->t, n, fk));
    TRY(referenced_columns(a, d, n, to, fk));
    TRY(given_name(a, d, n, sql__joined_columns(a, d->t, fk->columns, fk->n_columns), "fkey",
                   &fk->name));
    fk->table = to->id; /* 0: the table itself, which has no id yet */
    fk->on_delete = n->fk_del_action;
    fk->on_update = n->fk_upd_action;
    TRY(foreign_types(a, d, to, fk));
    TRY(check_actions(d->t, fk));
    fk->deferrable = n->deferrable;
    fk->deferred = n->initdeferred;
    fk->not_valid = n->skip_validation && d->t->id;
    sql__push(a->arena, &d->foreign_keys, fk);
    return NULL;
}

struct error *sql__constraint(struct analysis *a, struct table_draft *d, const Constraint *n,
                              int column, enum pass pass)
{
    switch (n->contype) {
    case CONSTR_NULL:
    case CONSTR_ATTR_DEFERRABLE: /* see fold_attributes() */
    case CONSTR_ATTR_DEFERRED:
    case CONSTR_ATTR_NOT_DEFERRABLE:
    case CONSTR_ATTR_IMMEDIATE:
        return NULL;
    case CONSTR_NOTNULL:
        if (pass == PASS_COLUMN)
            d->t->columns[column].not_null = true;
        return NULL;
    case CONSTR_DEFAULT:
        return pass == PASS_COLUMN ? set_default(a, d->t, column, n) : NULL;
    case CONSTR_PRIMARY:
    case CONSTR_UNIQUE:
        return pass == PASS_KEYS ? add_key(a, d, n, column) : NULL;
    case CONSTR_CHECK:
        return pass == PASS_KEYS ? add_check(a, d, n, column) : NULL;
    case CONSTR_FOREIGN:
        return pass == PASS_FOREIGN ? add_foreign_key(a, d, n, column) : NULL;
    case CONSTR_IDENTITY:
        return pass == PASS_COLUMN ? set_identity(a, d, column, n) : NULL;
    case CONSTR_GENERATED:
        if (pass == PASS_COLUMN)
            return set_generated(a, d->t, column, n);
        if (pass != PASS_KEYS)
            return NULL;
        return d->t->id ? nowhere(check_generated(a, d->rte, column, n))
                        : check_generated(a, d->rte, column, n);
    case CONSTR_EXCLUSION:
        return sql__unsupported(a, n->location, "Use UNIQUE.",
                                "EXCLUDE constraints are not supported");
    }
    return NULL;
}

/* DEFERRABLE and its like stand behind the constraint of a column that they are about. */
static struct error *fold_attributes(const struct analysis *a, const List *list)
{
    static const struct {
        int kind;
        const char *clause, *twice;
        bool deferrability, on;
    } attributes[] = {
        {CONSTR_ATTR_DEFERRABLE, "DEFERRABLE", "DEFERRABLE/NOT DEFERRABLE", true, true},
        {CONSTR_ATTR_NOT_DEFERRABLE, "NOT DEFERRABLE", "DEFERRABLE/NOT DEFERRABLE", true, false},
        {CONSTR_ATTR_DEFERRED, "INITIALLY DEFERRED", "INITIALLY IMMEDIATE/DEFERRED", false, true},
        {CONSTR_ATTR_IMMEDIATE, "INITIALLY IMMEDIATE", "INITIALLY IMMEDIATE/DEFERRED", false,
         false},
    };
    Constraint *of = NULL;
    bool saw[2] = {false, false};
    for (int i = 0; i < list_length(list); i++) {
        Constraint *n = list_nth(list, i);
        size_t k = 0;
        while (k < ARRAY_LEN(attributes) && attributes[k].kind != (int)n->contype)
            k++;
        if (k == ARRAY_LEN(attributes)) {
            bool takes = n->contype == CONSTR_PRIMARY || n->contype == CONSTR_UNIQUE ||
                         n->contype == CONSTR_FOREIGN || n->contype == CONSTR_EXCLUSION;
            of = takes ? n : NULL;
            saw[0] = saw[1] = false;
            continue;
        }
        bool *seen = &saw[attributes[k].deferrability];
        if (!of || *seen)
            return sql__at(
                a,
                of ? error_new(E_SYNTAX, "multiple %s clauses not allowed", attributes[k].twice)
                   : error_new(E_SYNTAX, "misplaced %s clause", attributes[k].clause),
                n->location);
        *seen = true;
        if (attributes[k].deferrability)
            of->deferrable = attributes[k].on;
        else
            of->initdeferred = attributes[k].on;
        if (of->initdeferred && !of->deferrable && saw[1])
            return sql__at(a,
                           error_new(E_SYNTAX, "constraint declared INITIALLY DEFERRED must be "
                                               "DEFERRABLE"),
                           n->location);
        of->deferrable |= of->initdeferred;
    }
    return NULL;
}

static struct error *null_and_not(const struct analysis *a, const struct table *t,
                                  const ColumnDef *def, int location)
{
    return sql__at(
        a,
        error_new(E_SYNTAX,
                  "conflicting NULL/NOT NULL declarations for column \"%s\" of table \"%s\"",
                  def->colname, t->name),
        location);
}

static struct error *check_nulls(struct analysis *a, const struct table *t, const ColumnDef *def)
{
    bool null = false, not_null = false;
    for (int i = 0; i < list_length(def->constraints); i++) {
        const Constraint *n = list_nth(def->constraints, i);
        null |= n->contype == CONSTR_NULL;
        not_null |= n->contype == CONSTR_NOTNULL || n->contype == CONSTR_PRIMARY ||
                    n->contype == CONSTR_IDENTITY;
        if (null && not_null)
            return null_and_not(a, t, def, n->location);
    }
    return null && sql__serial_type(def->typeName) ? null_and_not(a, t, def, -1) : NULL;
}

/* serial is int, NOT NULL and a default that come last in the column's definition. */
static struct error *serial(struct analysis *a, struct table_draft *d, int column)
{
    const struct column *c = &d->t->columns[column];
    if (c->default_sql)
        return twice(a, d->t, c, "default values specified", -1);
    if (c->identity)
        return error_new(E_SYNTAX,
                         "both default and identity specified for column \"%s\" of table \"%s\"",
                         c->name, d->t->name);
    return own_sequence(a, d, column, NIL);
}

static struct error *constraints(struct analysis *a, struct table_draft *d, const List *elements,
                                 enum pass pass)
{
    int column = 0;
    for (int i = 0; i < list_length(elements); i++) {
        const Node *n = list_nth(elements, i);
        if (IsA(n, Constraint)) {
            TRY(sql__constraint(a, d, (const Constraint *)n, -1, pass));
            continue;
        }
        const ColumnDef *def = (const ColumnDef *)n;
        TRY(check_nulls(a, d->t, def));
        if (pass == PASS_COLUMN)
            TRY(fold_attributes(a, def->constraints));
        for (int k = 0; k < list_length(def->constraints); k++)
            TRY(sql__constraint(a, d, list_nth(def->constraints, k), column, pass));
        if (pass == PASS_COLUMN && sql__serial_type(def->typeName))
            TRY(serial(a, d, column));
        column++;
    }
    return NULL;
}

/* ---- SQLite text
 * ---------------------------------------------------------------------------------------------- */

static void column_list(const struct table *t, const int *columns, int n, struct buf *out)
{
    buf_puts(out, "(");
    for (int i = 0; i < n; i++) {
        if (i)
            buf_puts(out, ", ");
        sql_quote(t->columns[columns[i]].name, out);
    }
    buf_puts(out, ")");
}

static const char *affinity(uint32_t type)
{
    switch (type_by_oid(type)->storage) {
    case VALUE_INT:
        return "INTEGER";
    case VALUE_REAL: /* keeps -0.0, and holds NaN, which is a text */
        return "ANY";
    case VALUE_BLOB:
        return "BLOB";
    default:
        return "TEXT";
    }
}

static void key_text(const struct table *t, const struct key *k, struct buf *out)
{
    buf_puts(out, ", CONSTRAINT ");
    sql_quote(k->name, out);
    buf_puts(out, k->primary ? " PRIMARY KEY " : " UNIQUE ");
    column_list(t, k->columns, k->n_columns, out);
}

static void foreign_key_text(const struct table *t, const struct foreign_key *fk,
                             const struct table *to, struct buf *out)
{
    static const struct {
        char letter;
        const char *text;
    } actions[] = {{'r', "RESTRICT"}, {'c', "CASCADE"}, {'n', "SET NULL"}, {'d', "SET DEFAULT"}};
    buf_puts(out, ", CONSTRAINT ");
    sql_quote(fk->name, out);
    buf_puts(out, " FOREIGN KEY ");
    column_list(t, fk->columns, fk->n_columns, out);
    buf_puts(out, " REFERENCES ");
    sql_quote(table_file_name(to), out);
    buf_puts(out, " ");
    column_list(to, fk->ref_columns, fk->n_columns, out);
    for (size_t i = 0; i < 2 * ARRAY_LEN(actions); i++) {
        bool update = i >= ARRAY_LEN(actions);
        const char letter = actions[i % ARRAY_LEN(actions)].letter;
        if ((update ? fk->on_update : fk->on_delete) == letter)
            buf_printf(out, " ON %s %s", update ? "UPDATE" : "DELETE",
                       actions[i % ARRAY_LEN(actions)].text);
    }
    if (fk->deferred)
        buf_puts(out, " DEFERRABLE INITIALLY DEFERRED");
}

static bool is_set_to_default(const struct table *t, int column)
{
    for (int i = 0; i < t->n_foreign_keys; i++) {
        const struct foreign_key *fk = &t->foreign_keys[i];
        for (int k = 0; k < fk->n_columns && !fk->watched; k++)
            if (fk->columns[k] == column && (fk->on_delete == 'd' || fk->on_update == 'd'))
                return true;
    }
    return false;
}

/* From 17 digits SQLite reads the same number where long doubles hold the power of ten that it
 * multiplies them by. */
static bool is_read_exactly(double r)
{
    return r == 0 || !isfinite(r) || (fabs(r) >= 1e-9 && fabs(r) < 1e22);
}

/* The default as a row gets it; NULL: it is no constant. */
static struct error *assigned_default(struct analysis *a, const struct column *c, struct expr **ret)
{
    struct expr *e;
    struct scope s = {.clause = CLAUSE_DEFAULT};
    TRY(sql__stored_expr(a, &s, c->default_sql, &e));
    TRY(sql__assign(a, e, c, e->position - 1, &e));
    *ret = e->kind == EXPR_CONST ? e : NULL;
    return NULL;
}

/* A literal of SQLite's; NULL: the default is no constant, or none that would stay what it is. */
static struct error *constant_default(struct analysis *a, const struct column *c, const char **ret)
{
    struct expr *e;
    struct buf text = {0};
    *ret = NULL;
    TRY(assigned_default(a, c, &e));
    if (!e || (e->value.kind == VALUE_REAL && !is_read_exactly(e->value.r)))
        return NULL;
    sql_emit_value(&e->value, e->type, &text);
    *ret = arena_strdup(a->arena, text.data);
    buf_done(&text);
    return NULL;
}

/* One that SQLite does not read exactly is given by its bits, which rows older than the column
 * can't be. */
static struct error *default_of_action(struct analysis *a, const struct column *c, const char **ret)
{
    struct expr *e;
    TRY(constant_default(a, c, ret));
    if (*ret)
        return NULL;
    TRY(assigned_default(a, c, &e));
    if (!e)
        return sql__unsupported(a, -1, "Use a constant as the column's default.",
                                "ON DELETE SET DEFAULT needs a constant default");
    struct buf text = {0};
    sql__emit_real(e->value.r, &text);
    *ret = arena_printf(a->arena, "(%s)", text.data);
    buf_done(&text);
    return NULL;
}

/* SQLite applies a column's default itself in two cases only: for SET DEFAULT, and to rows that are
 * older than the column. */
static struct error *sqlite_default(struct analysis *a, const struct table *t, int column,
                                    struct buf *out)
{
    const struct column *c = &t->columns[column];
    const char *value = c->added;
    if (is_set_to_default(t, column) && c->default_sql) {
        TRY(default_of_action(a, c, &value));
        if (c->added && strcmp(c->added, value) != 0)
            return sql__unsupported(a, -1, "Create the table anew.",
                                    "ON DELETE SET DEFAULT is not supported where the column was "
                                    "added to the table with another default");
    }
    if (value)
        buf_printf(out, " DEFAULT %s", value);
    return NULL;
}

static struct error *check_sqlite_text(struct analysis *a, struct rte *rte, const struct check *c,
                                       struct buf *out)
{
    struct scope s = {.clause = CLAUSE_CHECK};
    struct expr *e;
    sql__add_item(a, &s, rte);
    TRY(sql__stored_expr(a, &s, c->sql, &e));
    TRY(sql__boolean(a, e, "CHECK", &e));
    buf_puts(out, ", CONSTRAINT ");
    sql_quote(c->name, out);
    buf_puts(out, " CHECK (");
    struct emitter em = {.out = out, .all_bare = true, .stored = true};
    sql__emit_expr(&em, e);
    buf_puts(out, ")");
    return NULL;
}

static bool is_indexed(const struct table *t, const struct key *k)
{
    for (int i = 0; i < t->n_indexes; i++)
        if (strcmp(t->indexes[i].name, k->name) == 0)
            return true;
    return false;
}

/* Checks in the order of their names: of several that fail, PostgreSQL tells the first. */
static int by_name(const void *x, const void *y)
{
    return strcmp((*(const struct check *const *)x)->name, (*(const struct check *const *)y)->name);
}

static struct error *checks_text(struct analysis *a, const struct table *t, struct buf *out)
{
    struct rte *rte = t->n_checks ? sql__base_rte(a, t, t->name, -1) : NULL;
    const struct check **checks = ARENA_ARRAY(a->arena, const struct check *, t->n_checks + 1);
    for (int i = 0; i < t->n_checks; i++)
        checks[i] = &t->checks[i];
    qsort(checks, (size_t)t->n_checks, sizeof(*checks), by_name);
    for (int i = 0; i < t->n_checks; i++)
        TRY(check_sqlite_text(a, rte, checks[i], out));
    return NULL;
}

static const struct table *referenced_now(const struct analysis *a, const struct table *t, int i)
{
    uint64_t id = t->foreign_keys[i].table;
    return id == t->id ? t : sql__table_now(a, id);
}

static void watch_unique(struct analysis *a, const struct table *t, bool primary, struct buf *out)
{
    for (int i = t->n_keys - 1; i >= 0; i--)
        if (key_is_watched(&t->keys[i]) && !t->keys[i].off && t->keys[i].primary == primary)
            sql__unique_triggers(a, t, &t->keys[i], out);
}

/* Who sees to the keys: the table's text, or triggers. SQLite runs the last one first: so it is the
 * primary key's, then foreign keys', as in PostgreSQL. */
static struct error *watch_keys(struct analysis *a, struct table *t)
{
    _cleanup_(buf_done) struct buf triggers = {0};
    watch_unique(a, t, false, &triggers);
    for (int i = 0; i < t->n_foreign_keys; i++) {
        struct foreign_key *fk = &t->foreign_keys[i];
        const struct table *to = referenced_now(a, t, i);
        if (!to)
            return error_new(E_STALE_SCHEMA, "a table that \"%s\" references is gone", t->name);
        fk->watched = sql__is_watched(t, fk, to);
        if (fk->watched)
            TRY(sql__key_triggers(a, t, fk, to, &triggers));
    }
    watch_unique(a, t, true, &triggers);
    t->triggers = triggers.len ? arena_strdup(a->arena, triggers.data) : NULL;
    return NULL;
}

static struct error *constraints_text(struct analysis *a, const struct table *t, struct buf *out)
{
    for (int i = 0; i < t->n_keys; i++)
        if (!is_indexed(t, &t->keys[i])) /* else it was added later */
            key_text(t, &t->keys[i], out);
    TRY(checks_text(a, t, out));
    for (int i = 0; i < t->n_foreign_keys; i++)
        if (!t->foreign_keys[i].watched)
            foreign_key_text(t, &t->foreign_keys[i], referenced_now(a, t, i), out);
    return NULL;
}

/* SQLite computes it, whatever changes the row: foreign keys' actions, too. */
static struct error *generation(struct analysis *a, const struct table *t, int column,
                                struct buf *out)
{
    const struct column *c = &t->columns[column];
    struct scope s = {.clause = CLAUSE_GENERATED};
    struct expr *e;
    for (int i = 0; i < t->n_keys; i++)
        for (int k = 0; k < t->keys[i].n_columns && t->keys[i].primary; k++)
            if (t->keys[i].columns[k] == column)
                return sql__unsupported(a, -1, "Make it UNIQUE and NOT NULL.",
                                        "a generated column in a primary key is not supported");
    sql__add_item(a, &s, sql__base_rte(a, t, t->name, -1));
    TRY(sql__stored_expr(a, &s, c->default_sql, &e));
    TRY(sql__assign(a, e, c, -1, &e));
    buf_puts(out, " GENERATED ALWAYS AS (");
    struct emitter em = {.out = out, .all_bare = true, .stored = true};
    sql__emit_expr(&em, e);
    buf_puts(out, ") STORED");
    return NULL;
}

/* Rows are told apart by a number that needs a name of its own. */
static struct error *check_rowid(struct analysis *a, const struct table *t)
{
    static const char *const names[] = {"rowid", "_rowid_", "oid"};
    size_t taken = 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        for (int c = 0; c < t->n_columns; c++)
            taken += !t->columns[c].dropped && strcasecmp(t->columns[c].name, names[i]) == 0;
    if (taken < ARRAY_LEN(names) || sql__has_rowid_column(t))
        return NULL;
    return sql__unsupported(a, -1, "Rename one of them, or add an integer primary key.",
                            "table \"%s\" has columns named rowid, _rowid_ and oid and no integer "
                            "primary key",
                            t->name);
}

static struct error *put_table(struct analysis *a, const struct table *t, struct buf *out)
{
    TRY(check_rowid(a, t));
    buf_puts(out, "CREATE TABLE ");
    sql_quote(table_file_name(t), out);
    buf_puts(out, " (");
    bool any = false;
    for (int i = 0; i < t->n_columns; i++) {
        const struct column *c = &t->columns[i];
        if (c->dropped)
            continue;
        buf_puts(out, any ? ", " : "");
        any = true;
        sql_quote(c->name, out);
        buf_printf(out, " %s%s%s", affinity(c->type), sql__collation(c->type),
                   c->not_null ? " NOT NULL" : "");
        TRY(c->generated ? generation(a, t, i, out) : sqlite_default(a, t, i, out));
    }
    if (!any)
        buf_puts(out, "\"minisql_none\" INTEGER");
    TRY(constraints_text(a, t, out));
    buf_puts(out, ") STRICT");
    return NULL;
}

struct error *sql__table_text(struct analysis *a, struct table *t)
{
    struct buf text = {0};
    int n_rtes = a->rtes.n, n_hidden = a->hidden.n; /* the table is not one that is read */
    struct error *e = watch_keys(a, t);
    if (!e)
        e = put_table(a, t, &text);
    a->rtes.n = n_rtes;
    a->hidden.n = n_hidden;
    t->ddl = arena_strdup(a->arena, text.data ? text.data : "");
    buf_done(&text);
    return e;
}

/* ---- ALTER TABLE .. ADD COLUMN
 * ------------------------------------------------------------------------------------------------
 */

/* What rows that are there have in it: a constant stands in the file, as the column's DEFAULT; what
 * is none is computed. */
static struct error *fill_added(struct analysis *a, const struct table *t, int column)
{
    struct column *c = &t->columns[column];
    const char *value = "NULL";
    if (c->generated)
        return NULL;
    bool own = t->n_owned && t->owned[t->n_owned - 1].column == column;
    if (c->domain && !own) {
        const struct column *d = c->default_sql ? c : sql__domain_default(a, c);
        sql__fill_column(a, column, d ? d->default_sql : "NULL");
        return NULL;
    }
    if (c->default_sql && !own)
        TRY(constant_default(a, c, &value));
    if (own) {
        const struct sequence *s = &a->q->alter_table.sequences[a->q->alter_table.n_sequences - 1];
        sql__fill_column(a, column, sql_next_value_text(s->schema, s->name, a->arena));
    } else if (!value) {
        sql__fill_column(a, column, c->default_sql);
    } else if (strcmp(value, "NULL") != 0) {
        c->added = (char *)(uintptr_t)value;
    } else if (c->not_null) {
        sql__ask_not_null(a, t, column);
    }
    return NULL;
}

/* A sequence for a column of a table that is altered. */
static void add_sequences(struct analysis *a, const struct list *made)
{
    struct query *q = a->q;
    int n = q->alter_table.n_sequences;
    struct sequence *all = ARENA_ARRAY(a->arena, struct sequence, n + made->n + 1);
    for (int i = 0; i < n; i++)
        all[i] = q->alter_table.sequences[i];
    for (int i = 0; i < made->n; i++)
        all[n + i] = *(struct sequence *)made->items[i];
    q->alter_table.sequences = all;
    q->alter_table.n_sequences = n + made->n;
}

struct error *sql__add_identity(struct analysis *a, struct table *t, int column,
                                const Constraint *n)
{
    struct table_draft d = {.t = t};
    TRY(set_identity(a, &d, column, n));
    add_sequences(a, &d.sequences);
    return NULL;
}

static struct error *added_property(struct analysis *a, struct table *t, int column,
                                    const Constraint *c)
{
    switch (c->contype) {
    case CONSTR_NOTNULL:
        t->columns[column].not_null = true;
        return NULL;
    case CONSTR_DEFAULT:
        return nowhere(set_default(a, t, column, c));
    case CONSTR_IDENTITY:
        return sql__add_identity(a, t, column, c);
    case CONSTR_GENERATED:
        return set_generated(a, t, column, c);
    default:
        return NULL;
    }
}

struct error *sql__add_column(struct analysis *a, struct table *t, const ColumnDef *n)
{
    int at = t->n_columns, n_hidden = a->hidden.n;
    TRY(check_nulls(a, t, n));
    TRY(fold_attributes(a, n->constraints));
    TRY(add_column(a, t, n));
    for (int i = 0; i < list_length(n->constraints); i++)
        TRY(added_property(a, t, at, list_nth(n->constraints, i)));
    if (sql__serial_type(n->typeName)) {
        struct table_draft d = {.t = t};
        TRY(serial(a, &d, at));
        add_sequences(a, &d.sequences);
    }
    struct error *e = fill_added(a, t, at);
    a->hidden.n = n_hidden;
    return e;
}

/* ---- drafts
 * ------------------------------------------------------------------------------------------------
 */

#define LIST_OF(a, type, list, n, out)                                                             \
    for (int i_ = 0; i_ < (n); i_++) {                                                             \
        struct type *copy_ = ARENA_NEW((a)->arena, struct type);                                   \
        *copy_ = (list)[i_];                                                                       \
        sql__push((a)->arena, &(out), copy_);                                                      \
    }

void sql__draft_open(struct analysis *a, struct table *t, struct table_draft *d)
{
    *d = (struct table_draft){.t = t};
    LIST_OF(a, key, t->keys, t->n_keys, d->keys);
    LIST_OF(a, check, t->checks, t->n_checks, d->checks);
    LIST_OF(a, foreign_key, t->foreign_keys, t->n_foreign_keys, d->foreign_keys);
    d->n_old_keys = t->n_keys;
    d->n_old_checks = t->n_checks;
    d->rte = sql__base_rte(a, t, t->name, -1);
}

#define FLATTEN(a, type, list_, count, out)                                                        \
    do {                                                                                           \
        (count) = (list_).n;                                                                       \
        (out) = ARENA_ARRAY((a)->arena, struct type, MAX((list_).n, 1));                           \
        for (int i_ = 0; i_ < (list_).n; i_++)                                                     \
            (out)[i_] = *(struct type *)(list_).items[i_];                                         \
    } while (0)

void sql__draft_close(struct analysis *a, struct table_draft *d)
{
    struct table *t = d->t;
    FLATTEN(a, key, d->keys, t->n_keys, t->keys);
    FLATTEN(a, check, d->checks, t->n_checks, t->checks);
    FLATTEN(a, foreign_key, d->foreign_keys, t->n_foreign_keys, t->foreign_keys);
    a->rtes.n = 0; /* the table is not one that the statement reads */
    a->hidden.n = 0;
}

/* ---- CREATE TABLE
 * ------------------------------------------------------------------------------------------------
 */

/* An UNLOGGED table is made as safe as any other. */
static struct error *on_commit(const struct table *t, OnCommitAction said, char *ret)
{
    if (said != ONCOMMIT_NOOP && !table_is_temporary(t))
        return error_new("42P16", "ON COMMIT can only be used on temporary tables");
    *ret = said == ONCOMMIT_DELETE_ROWS ? TEMP_DELETE : said == ONCOMMIT_DROP ? TEMP_DROP : 0;
    return NULL;
}

static struct error *refuse_create(const struct analysis *a, const CreateStmt *n)
{
    int at = n->relation->location;
    TRY(sql__check_tablespace(n->tablespacename));
    if (n->inhRelations || n->partbound || n->partspec)
        return sql__unsupported(a, at, "Create one plain table.",
                                "inheritance and declarative partitioning are not supported");
    if (n->ofTypename)
        return sql__unsupported(a, at, "Write the columns.", "CREATE TABLE OF is not supported");
    return NULL;
}

char *sql__file_name(struct analysis *a, const char *schema, const char *name)
{
    return a->ctx->view ? catalog_file_name(a->ctx->view, schema, name, a->arena)
                        : arena_strdup(a->arena, name);
}

static struct error *name_table(struct analysis *a, const RangeVar *rv, bool if_not_exists,
                                struct table *t, bool *ret_exists)
{
    TRY(sql__table_schema(a, rv, &t->schema));
    if (strcmp(t->schema, CATALOG_TEMP_SCHEMA) == 0)
        t->region = CATALOG_TEMP_REGION;
    TRY(sql__check_identifier(a, "table", rv->relname, rv->location));
    t->name = arena_strdup(a->arena, rv->relname);
    t->database = a->ctx->view ? a->ctx->view->database : 0;
    *ret_exists = sql__relation_exists(a, t->schema, t->name);
    if (*ret_exists)
        return if_not_exists
                   ? NULL
                   : error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists", rv->relname);
    t->file_name = sql__file_name(a, t->schema, t->name);
    return NULL;
}

/* What is not MiniSQL's own is PostgreSQL's. */
static struct error *storage_options(struct analysis *a, const List *options, struct table *t)
{
    struct query *q = a->q;
    ListCell *cells = ARENA_ARRAY(a->arena, ListCell, list_length(options) + 1);
    List rest = {.type = T_List, .max_length = list_length(options), .elements = cells};
    for (int i = 0; i < list_length(options); i++) {
        const DefElem *d = list_nth(options, i);
        const char *value = sql__option_text(a, d);
        if (strcmp(d->defname, "colocate_with") == 0) {
            RangeVar rv = {.relname = (char *)(uintptr_t)value, .location = d->location};
            const char *point = strchr(value, '.');
            if (point) {
                rv.schemaname = arena_strndup(a->arena, value, (size_t)(point - value));
                rv.relname = (char *)(uintptr_t)point + 1;
            }
            TRY(sql__find_table(a, &rv, &q->create_table.colocate));
        } else if (strcmp(d->defname, "copies") == 0) {
            q->create_table.copies = atoi(value);
            if (q->create_table.copies < 1 || q->create_table.copies > CATALOG_MAX_COPIES)
                return sql__at(
                    a, error_new("22023", "value %s out of bounds for option \"copies\"", value),
                    d->location);
        } else if (strcmp(d->defname, "oids") == 0) {
            if (!d->arg || (strcmp(value, "false") != 0 && strcmp(value, "off") != 0 &&
                            strcmp(value, "0") != 0))
                return error_new(E_UNSUPPORTED, "tables declared WITH OIDS are not supported");
        } else {
            cells[rest.length++].ptr_value = list_nth(options, i);
        }
    }
    return sql__set_options(a, OPTIONS_OF_TABLE, &rest, &t->options);
}

static struct error *columns(struct analysis *a, const List *elements, struct table *t)
{
    int n = list_length(elements);
    t->columns = ARENA_ARRAY(a->arena, struct column, MAX(n, 1));
    for (int i = 0; i < n; i++) {
        const Node *e = list_nth(elements, i);
        if (IsA(e, ColumnDef))
            TRY(add_column(a, t, (const ColumnDef *)e));
    }
    if (t->n_columns > 1600)
        return error_new("54011", "tables can have at most 1600 columns");
    return NULL;
}

struct error *sql__create_table(struct analysis *a, const CreateStmt *n)
{
    if (sql__has_like(n))
        return sql__create_table_like(a, n);
    struct query *q = a->q;
    struct table *t = ARENA_NEW(a->arena, struct table);
    struct table_draft d = {.t = t};
    q->kind = QUERY_CREATE_TABLE;
    q->tag = "CREATE TABLE";
    q->writes = true;
    q->create_table.table = t;
    q->create_table.if_not_exists = n->if_not_exists;
    TRY(refuse_create(a, n));
    TRY(name_table(a, n->relation, n->if_not_exists, t, &q->create_table.exists));
    if (q->create_table.exists)
        return NULL;
    TRY(on_commit(t, n->oncommit, &t->on_commit));
    TRY(storage_options(a, n->options, t));
    TRY(columns(a, n->tableElts, t));
    a->new_sequences = &d.sequences;
    TRY(constraints(a, &d, n->tableElts, PASS_COLUMN));
    a->new_sequences = NULL;
    d.rte = sql__base_rte(a, t, t->name, -1);
    TRY(constraints(a, &d, n->tableElts, PASS_KEYS));
    TRY(constraints(a, &d, n->tableElts, PASS_FOREIGN));
    FLATTEN(a, sequence, d.sequences, t->n_owned, q->create_table.sequences);
    sql__draft_close(a, &d);
    for (int i = 0; i < t->n_keys; i++)
        if (t->keys[i].deferrable)
            TRY(sql__index_key(a, t, &t->keys[i]));
    return sql__table_text(a, t);
}

struct error *sql__begin_table(struct analysis *a, const RangeVar *rv, const List *options,
                               OnCommitAction said, bool if_not_exists)
{
    struct query *q = a->q;
    q->create_table.table = ARENA_NEW(a->arena, struct table);
    q->create_table.if_not_exists = if_not_exists;
    RangeVar nowhere = *rv; /* PostgreSQL tells no position here */
    nowhere.location = -1;
    TRY(name_table(a, &nowhere, if_not_exists, q->create_table.table, &q->create_table.exists));
    if (q->create_table.exists)
        return NULL;
    TRY(on_commit(q->create_table.table, said, &q->create_table.table->on_commit));
    return storage_options(a, options, q->create_table.table);
}

struct error *sql__end_table(struct analysis *a)
{
    return sql__table_text(a, a->q->create_table.table);
}
