/*
 * What tables, indexes and views are told: WITH (fillfactor = 70), SET (..), RESET
 * (..), SET STATISTICS, CLUSTER ON, TABLESPACE and their kin.
 *
 * None of it but a view's check_option means anything here. It is checked as PostgreSQL checks it,
 * and parameters are kept, for pg_class and whoever dumps the schema.
 */
#include "sql_int.h"

#include <math.h>

#include <errno.h>
#include <strings.h>

/* ---- parameters ------------------------------------------------------------------------------ */

enum parameter_kind {
    PARAMETER_BOOL,
    PARAMETER_INT,
    PARAMETER_REAL,
    PARAMETER_AUTO,
    PARAMETER_CHECK
};

static const struct parameter {
    const char *name;
    enum option_owner of;
    enum parameter_kind kind;
    double min, max;
} parameters[] = {
    {"fillfactor", OPTIONS_OF_TABLE, PARAMETER_INT, 10, 100},
    {"fillfactor", OPTIONS_OF_INDEX, PARAMETER_INT, 10, 100},
    {"deduplicate_items", OPTIONS_OF_INDEX, PARAMETER_BOOL, 0, 0},
    {"fillfactor", OPTIONS_OF_HASH, PARAMETER_INT, 10, 100},
    {"fillfactor", OPTIONS_OF_GIST, PARAMETER_INT, 10, 100},
    {"fillfactor", OPTIONS_OF_SPGIST, PARAMETER_INT, 10, 100},
    {"buffering", OPTIONS_OF_GIST, PARAMETER_AUTO, 0, 0},
    {"fastupdate", OPTIONS_OF_GIN, PARAMETER_BOOL, 0, 0},
    {"gin_pending_list_limit", OPTIONS_OF_GIN, PARAMETER_INT, 64, INT32_MAX},
    {"pages_per_range", OPTIONS_OF_BRIN, PARAMETER_INT, 1, 131072},
    {"autosummarize", OPTIONS_OF_BRIN, PARAMETER_BOOL, 0, 0},
    {"toast_tuple_target", OPTIONS_OF_TABLE, PARAMETER_INT, 128, 8160},
    {"parallel_workers", OPTIONS_OF_TABLE, PARAMETER_INT, 0, 1024},
    {"user_catalog_table", OPTIONS_OF_TABLE, PARAMETER_BOOL, 0, 0},
    {"vacuum_index_cleanup", OPTIONS_OF_TABLE, PARAMETER_AUTO, 0, 0},
    {"vacuum_truncate", OPTIONS_OF_TABLE, PARAMETER_BOOL, 0, 0},
    {"autovacuum_enabled", OPTIONS_OF_TABLE, PARAMETER_BOOL, 0, 0},
    {"autovacuum_vacuum_threshold", OPTIONS_OF_TABLE, PARAMETER_INT, 0, INT32_MAX},
    {"autovacuum_vacuum_insert_threshold", OPTIONS_OF_TABLE, PARAMETER_INT, -1, INT32_MAX},
    {"autovacuum_analyze_threshold", OPTIONS_OF_TABLE, PARAMETER_INT, 0, INT32_MAX},
    {"autovacuum_vacuum_cost_limit", OPTIONS_OF_TABLE, PARAMETER_INT, 1, 10000},
    {"autovacuum_vacuum_cost_delay", OPTIONS_OF_TABLE, PARAMETER_REAL, 0, 100},
    {"autovacuum_vacuum_scale_factor", OPTIONS_OF_TABLE, PARAMETER_REAL, 0, 100},
    {"autovacuum_vacuum_insert_scale_factor", OPTIONS_OF_TABLE, PARAMETER_REAL, 0, 100},
    {"autovacuum_analyze_scale_factor", OPTIONS_OF_TABLE, PARAMETER_REAL, 0, 100},
    {"autovacuum_freeze_min_age", OPTIONS_OF_TABLE, PARAMETER_INT, 0, 1000000000},
    {"autovacuum_multixact_freeze_min_age", OPTIONS_OF_TABLE, PARAMETER_INT, 0, 1000000000},
    {"autovacuum_freeze_max_age", OPTIONS_OF_TABLE, PARAMETER_INT, 100000, 2000000000},
    {"autovacuum_multixact_freeze_max_age", OPTIONS_OF_TABLE, PARAMETER_INT, 10000, 2000000000},
    {"autovacuum_freeze_table_age", OPTIONS_OF_TABLE, PARAMETER_INT, 0, 2000000000},
    {"autovacuum_multixact_freeze_table_age", OPTIONS_OF_TABLE, PARAMETER_INT, 0, 2000000000},
    {"log_autovacuum_min_duration", OPTIONS_OF_TABLE, PARAMETER_INT, -1, INT32_MAX},
    {"security_barrier", OPTIONS_OF_VIEW, PARAMETER_BOOL, 0, 0},
    {"security_invoker", OPTIONS_OF_VIEW, PARAMETER_BOOL, 0, 0},
    {"check_option", OPTIONS_OF_VIEW, PARAMETER_CHECK, 0, 0},
};

enum option_owner sql__options_of_index(uint32_t method)
{
    switch (method) {
    case AM_HASH:
        return OPTIONS_OF_HASH;
    case AM_GIN:
        return OPTIONS_OF_GIN;
    case AM_GIST:
        return OPTIONS_OF_GIST;
    case AM_SPGIST:
        return OPTIONS_OF_SPGIST;
    case AM_BRIN:
        return OPTIONS_OF_BRIN;
    default:
        return OPTIONS_OF_INDEX;
    }
}

static const struct parameter *find(const char *name, enum option_owner of)
{
    for (size_t i = 0; i < ARRAY_LEN(parameters); i++)
        if (parameters[i].of == of && strcmp(parameters[i].name, name) == 0)
            return &parameters[i];
    return NULL;
}

static struct error *invalid(const char *kind, const char *name, const char *value)
{
    return error_new("22023", "invalid value for %s option \"%s\": %s", kind, name, value);
}

static bool is_bool(const char *value)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct value v;
    struct error *e = type_parse(type_by_oid(OID_BOOL), value, strlen(value), -1, &a, &v);
    error_free(e);
    return !e;
}

static struct error *check_number(const struct parameter *p, const char *value)
{
    char *end;
    errno = 0;
    double number = p->kind == PARAMETER_INT ? (double)strtol(value, &end, 0) : strtod(value, &end);
    if (p->kind == PARAMETER_INT && (*end == '.' || *end == 'e')) /* 70.4: rounded */
        number = rint(strtod(value, &end));
    if (errno || end == value || *end)
        return invalid(p->kind == PARAMETER_INT ? "integer" : "floating point", p->name, value);
    if (number >= p->min && number <= p->max)
        return NULL;
    struct error *e =
        error_new("22023", "value %s out of bounds for option \"%s\"", value, p->name);
    return p->kind == PARAMETER_INT
               ? error_detail(e, "Valid values are between \"%d\" and \"%d\".", (int)p->min,
                              (int)p->max)
               : error_detail(e, "Valid values are between \"%f\" and \"%f\".", p->min, p->max);
}

static struct error *check_value(const struct parameter *p, const char *value)
{
    switch (p->kind) {
    case PARAMETER_BOOL:
        return is_bool(value) ? NULL : invalid("boolean", p->name, value);
    case PARAMETER_AUTO:
        if (strcasecmp(value, "auto") == 0 || is_bool(value))
            return NULL;
        return error_detail(invalid("enum", p->name, value),
                            "Valid values are \"on\", \"off\", and \"auto\".");
    case PARAMETER_CHECK:
        if (strcasecmp(value, "local") == 0 || strcasecmp(value, "cascaded") == 0)
            return NULL;
        return error_detail(invalid("enum", p->name, value),
                            "Valid values are \"local\" and \"cascaded\".");
    default:
        return check_number(p, value);
    }
}

const char *sql__option_text(struct analysis *a, const DefElem *d)
{
    if (!d->arg)
        return "true";
    if (IsA(d->arg, Integer))
        return arena_printf(a->arena, "%d", intVal(d->arg));
    if (IsA(d->arg, Float))
        return arena_strdup(a->arena, castNode(Float, d->arg)->fval);
    if (IsA(d->arg, String))
        return arena_strdup(a->arena, strVal(d->arg));
    if (IsA(d->arg, Boolean))
        return boolVal(d->arg) ? "true" : "false";
    if (IsA(d->arg, TypeName))
        return arena_strdup(a->arena, strVal(llast(((const TypeName *)d->arg)->names)));
    return "";
}

/* Does the list "a=1,b=2" have it? Where, and how long is that part? */
static const char *find_option(const char *list, const char *name, size_t *ret_len)
{
    size_t n = strlen(name);
    for (const char *p = list; p && *p;) {
        size_t len = strcspn(p, ",");
        *ret_len = len;
        if (len > n && p[n] == '=' && memcmp(p, name, n) == 0)
            return p;
        p += len + (p[len] == ',');
    }
    return NULL;
}

const char *sql__option_value(const char *list, const char *name)
{
    size_t len;
    const char *at = find_option(list, name, &len);
    return at ? at + strlen(name) + 1 : NULL;
}

static char *without(struct analysis *a, const char *list, const char *name)
{
    size_t len;
    const char *at = find_option(list, name, &len);
    if (!at)
        return (char *)(uintptr_t)list;
    size_t before = (size_t)(at - list);
    const char *rest = at + len + (at[len] == ',');
    if (before && !*rest)
        before--;
    char *left = arena_printf(a->arena, "%.*s%s", (int)before, list, rest);
    return *left ? left : NULL;
}

static struct error *set_option(struct analysis *a, enum option_owner of, const DefElem *d,
                                char **added)
{
    const struct parameter *p = find(d->defname, of);
    const char *value = sql__option_text(a, d);
    size_t len;
    if (d->defnamespace && strcmp(d->defnamespace, "toast") != 0)
        return error_new("22023", "unrecognized parameter namespace \"%s\"", d->defnamespace);
    struct error *unknown =
        p ? NULL : error_new("22023", "unrecognized parameter \"%s\"", d->defname);
    if (!p)
        return of == OPTIONS_OF_VIEW
                   ? unknown
                   : error_hint(unknown, "CREATE TABLE knows copies and colocate_with, too.");
    TRY(check_value(p, value));
    if (d->defnamespace)
        return NULL;
    if (find_option(*added, d->defname, &len))
        return error_new("22023", "parameter \"%s\" specified more than once", d->defname);
    *added = arena_printf(a->arena, "%s%s%s=%s", *added ? *added : "", *added ? "," : "",
                          d->defname, value);
    return NULL;
}

struct error *sql__set_options(struct analysis *a, enum option_owner of, const List *options,
                               char **list)
{
    char *added = NULL;
    for (int i = 0; i < list_length(options); i++) {
        const DefElem *d = list_nth(options, i);
        TRY(set_option(a, of, d, &added));
        if (!d->defnamespace)
            *list = without(a, *list, d->defname);
    }
    if (added)
        *list = *list ? arena_printf(a->arena, "%s,%s", *list, added) : added;
    return NULL;
}

struct error *sql__reset_options(struct analysis *a, const List *options, char **list)
{
    for (int i = 0; i < list_length(options); i++) {
        const DefElem *d = list_nth(options, i);
        if (d->arg)
            return error_new(E_SYNTAX, "RESET must not include values for parameters");
        *list = without(a, *list, d->defname);
    }
    return NULL;
}

struct error *sql__check_tablespace(const char *name)
{
    if (!name || !*name || strcmp(name, "pg_default") == 0)
        return NULL;
    if (strcmp(name, "pg_global") == 0)
        return error_new("22023", "only shared relations can be placed in pg_global tablespace");
    return error_new(E_UNDEFINED_OBJECT, "tablespace \"%s\" does not exist", name);
}

/* ---- ALTER TABLE ------------------------------------------------------------------------------
 */

struct error *sql__alter_options(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    const List *options = (const List *)(const void *)c->def;
    return c->subtype == AT_ResetRelOptions
               ? sql__reset_options(a, options, &t->options)
               : sql__set_options(a, OPTIONS_OF_TABLE, options, &t->options);
}

struct error *sql__alter_tablespace(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    return sql__check_tablespace(c->name);
}

struct error *sql__alter_logged(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    if (!table_is_temporary(t))
        return NULL;
    return error_new("42P16", "cannot change logged status of table \"%s\" because it is temporary",
                     t->name);
}

struct error *sql__alter_access(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    if (strcmp(c->name, "heap") == 0)
        return NULL;
    if (strcmp(c->name, "btree") == 0)
        return error_new("42809", "access method \"%s\" is not of type TABLE", c->name);
    return error_new(E_UNDEFINED_OBJECT, "access method \"%s\" does not exist", c->name);
}

static struct error *has_index(const struct table *t, const char *name)
{
    for (int i = 0; i < t->n_indexes; i++)
        if (strcmp(t->indexes[i].name, name) == 0)
            return NULL;
    for (int i = 0; i < t->n_keys; i++)
        if (strcmp(t->keys[i].name, name) == 0)
            return NULL;
    return error_new(E_UNDEFINED_OBJECT, "index \"%s\" for table \"%s\" does not exist", name,
                     t->name);
}

struct error *sql__cluster_on(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    return c->subtype == AT_ClusterOn ? has_index(t, c->name) : NULL;
}

struct error *sql__replica_identity(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    const ReplicaIdentityStmt *n = (const ReplicaIdentityStmt *)(const void *)c->def;
    return n->identity_type == 'i' /* REPLICA_IDENTITY_INDEX */ ? has_index(t, n->name) : NULL;
}

/* ---- ALTER COLUMN -----------------------------------------------------------------------------
 */

static struct error *check_statistics(struct analysis *a, const Node *n)
{
    enum { MOST = 10000 };
    int target = intVal(n);
    if (target < -1)
        return error_new("22023", "statistics target %d is too low", target);
    if (target > MOST) {
        sql__notice(a, "22023", NULL, "lowering statistics target to %d", MOST);
        a->q->notices[a->q->n_notices - 1].warning = true;
    }
    return NULL;
}

static struct error *check_column_options(const List *options)
{
    for (int i = 0; i < list_length(options); i++) {
        const DefElem *d = list_nth(options, i);
        if (strcmp(d->defname, "n_distinct") != 0 &&
            strcmp(d->defname, "n_distinct_inherited") != 0)
            return error_new("22023", "unrecognized parameter \"%s\"", d->defname);
    }
    return NULL;
}

static struct error *check_storage(const struct type *type, const char *word)
{
    static const char *const words[] = {"plain", "external", "extended", "main"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(word, words[i]) == 0)
            return i == 0 || type->size < 0
                       ? NULL
                       : error_new(E_UNSUPPORTED, "column data type %s can only have storage PLAIN",
                                   type->sql_name);
    return error_new("22023", "invalid storage type \"%s\"", word);
}

static struct error *check_compression(const struct type *type, const char *word)
{
    if (strcasecmp(word, "default") == 0)
        return NULL;
    if (type->size >= 0)
        return error_new(E_UNSUPPORTED, "column data type %s does not support compression",
                         type->sql_name);
    if (strcmp(word, "pglz") == 0 || strcmp(word, "lz4") == 0)
        return NULL;
    return error_new("22023", "invalid compression method \"%s\"", word);
}

struct error *sql__column_storage(struct analysis *a, struct table *t, const AlterTableCmd *c)
{
    int at;
    TRY(sql__column_named(t, c->name, &at));
    const struct type *type = type_by_oid(t->columns[at].type);
    switch (c->subtype) {
    case AT_SetStatistics:
        return check_statistics(a, c->def);
    case AT_SetStorage:
        return check_storage(type, strVal(c->def));
    case AT_SetCompression:
        return check_compression(type, strVal(c->def));
    default:
        return check_column_options((const List *)(const void *)c->def);
    }
}

/* ---- ALTER INDEX ------------------------------------------------------------------------------
 */

/* x NULL: the index is beneath the key k. */
static struct error *check_index_statistics(const struct table *t, const struct index *x,
                                            const struct key *k, const AlterTableCmd *c)
{
    const char *name = x ? x->name : k->name, *what = "non-expression";
    int i = c->num - 1, keys = x ? x->n_columns : k->n_columns;
    if (i < 0 || i >= keys + (x ? x->n_included : 0))
        return error_new(E_UNDEFINED_COLUMN, "column number %d of relation \"%s\" does not exist",
                         c->num, name);
    int column = i >= keys ? x->included[i - keys] : x ? x->columns[i] : k->columns[i];
    if (i >= keys)
        what = "included";
    return column < 0 ? NULL
                      : error_new(E_UNSUPPORTED,
                                  "cannot alter statistics on %s column \"%s\" of index \"%s\"",
                                  what, t->columns[column].name, name);
}

static struct error *alter_index(struct analysis *a, const struct table *t, const char *name,
                                 char **options, const AlterTableCmd *c)
{
    const struct index *x = NULL;
    const struct key *k = NULL;
    for (int i = 0; i < t->n_indexes && !x; i++)
        x = strcmp(t->indexes[i].name, name) == 0 ? &t->indexes[i] : NULL;
    for (int i = 0; i < t->n_keys && !k; i++)
        k = strcmp(t->keys[i].name, name) == 0 ? &t->keys[i] : NULL;
    const List *list = (const List *)(const void *)c->def;
    switch (c->subtype) {
    case AT_SetRelOptions:
        return sql__set_options(a, sql__options_of_index(x ? x->method : 0), list, options);
    case AT_ResetRelOptions:
        return sql__reset_options(a, list, options);
    case AT_SetTableSpace:
        return sql__check_tablespace(c->name);
    case AT_SetStatistics:
        TRY(check_statistics(a, c->def));
        return check_index_statistics(t, x, k, c);
    default:
        return sql__unsupported(a, -1, "Drop it and create it anew.",
                                "this form of ALTER INDEX is not supported");
    }
}

static char **options_of(struct table *t, const char *index)
{
    for (int i = 0; i < t->n_keys; i++)
        if (strcmp(t->keys[i].name, index) == 0)
            return &t->keys[i].options;
    for (int i = 0; i < t->n_indexes; i++)
        if (strcmp(t->indexes[i].name, index) == 0)
            return &t->indexes[i].options;
    return NULL;
}

struct error *sql__alter_index(struct analysis *a, const AlterTableStmt *n)
{
    struct table *next;
    TRY(sql__change_index(a, n->relation, n->missing_ok, &next));
    char **options = next ? options_of(next, n->relation->relname) : NULL;
    for (int i = 0; options && i < list_length(n->cmds); i++)
        TRY(alter_index(a, next, n->relation->relname, options, list_nth(n->cmds, i)));
    return NULL;
}
