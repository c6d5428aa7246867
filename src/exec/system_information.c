/*
 * information_schema: the SQL standard's names for what pg_catalog has. Who is connected owns
 * everything, so that everything is shown and every privilege is theirs.
 */
#include "exec/system.h"

#include <ctype.h>

typedef struct error *table_fn(struct exec__maker *m, const struct table *t);

/* All relations, the system's too, that the filter on `column` may want. */
static struct error *each_table(struct exec__maker *m, const char *column, table_fn *visit)
{
    const struct table *t;
    char kind;
    for (size_t i = 0; (t = exec__next_relation(m->view, &i, &kind));)
        if (kind != 'm' && kind != 'c' && exec__needs_text(m, column, t->name))
            TRY(visit(m, t));
    return NULL;
}

/* <what>_catalog, <what>_schema, and <what>_<kind> */
void exec__put_name(struct exec__maker *m, const char *what, const char *kind, const char *schema,
                    const char *name)
{
    char column[64];
    snprintf(column, sizeof(column), "%s_catalog", what);
    exec__put_text(m, column, m->run->s->database);
    snprintf(column, sizeof(column), "%s_schema", what);
    exec__put_text(m, column, schema);
    snprintf(column, sizeof(column), "%s_%s", what, kind);
    exec__put_text(m, column, name);
}

static const char *yes(bool b)
{
    return b ? "YES" : "NO";
}

static bool is_view(const struct exec__maker *m, const struct table *t)
{
    const struct exec__relation *r;
    for (int i = 0; t->id == 0 && i < exec__n_system_tables(); i++)
        if (exec__system_table(i, &r) == t)
            return r->kind == 'v';
    return exec__view_of(m->view, t) != NULL;
}

/* ---- schemata and tables -------------------------------------------------------------------- */

static struct error *make_catalog_name(struct exec__maker *m)
{
    exec__put_text(m, "catalog_name", m->run->s->database);
    return exec__give(m);
}

static struct error *give_schema(struct exec__maker *m, const char *name)
{
    exec__put_text(m, "catalog_name", m->run->s->database);
    exec__put_text(m, "schema_name", name);
    bool is_public = strcmp(name, "public") == 0;
    exec__put_text(m, "schema_owner", is_public ? "pg_database_owner" : m->run->s->user);
    return exec__give(m);
}

static struct error *make_schemata(struct exec__maker *m)
{
    TRY(give_schema(m, "information_schema"));
    TRY(give_schema(m, "pg_catalog"));
    return exec__each_schema(m, give_schema);
}

static struct error *give_table(struct exec__maker *m, const struct table *t)
{
    bool view = is_view(m, t);
    exec__put_name(m, "table", "name", t->schema, t->name);
    exec__put_text(m, "table_type",
                   view                    ? "VIEW"
                   : table_is_temporary(t) ? "LOCAL TEMPORARY"
                                           : "BASE TABLE");
    const struct object *o = exec__view_of(m->view, t);
    _cleanup_(arena_done) struct arena arena = {0};
    struct sql_updatable u = {0};
    if (o && exec__wants(m, "is_insertable_into"))
        sql_view_updatable(m->view, o, &arena, &u);
    exec__put_text(m, "is_insertable_into", yes(view ? u.updates : t->id != 0));
    exec__put_text(m, "is_typed", "NO");
    return exec__give(m);
}

static struct error *make_tables(struct exec__maker *m)
{
    return each_table(m, "table_name", give_table);
}

static struct error *give_privileges(struct exec__maker *m, const struct table *t)
{
    static const char *const all[] = {"INSERT",   "SELECT",     "UPDATE", "DELETE",
                                      "TRUNCATE", "REFERENCES", "TRIGGER"};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        exec__put_text(m, "grantor", m->run->s->user);
        exec__put_text(m, "grantee", m->run->s->user);
        exec__put_name(m, "table", "name", t->schema, t->name);
        exec__put_text(m, "privilege_type", all[i]);
        exec__put_text(m, "is_grantable", "YES");
        exec__put_text(m, "with_hierarchy", yes(strcmp(all[i], "SELECT") == 0));
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_table_privileges(struct exec__maker *m)
{
    return each_table(m, "table_name", give_privileges);
}

static struct error *give_column_privileges(struct exec__maker *m, const struct table *t)
{
    static const char *const all[] = {"INSERT", "SELECT", "UPDATE", "REFERENCES"};
    for (int c = 0; c < t->n_columns; c++) {
        for (size_t i = 0; i < ARRAY_LEN(all) && !t->columns[c].dropped; i++) {
            exec__put_text(m, "grantor", m->run->s->user);
            exec__put_text(m, "grantee", m->run->s->user);
            exec__put_name(m, "table", "name", t->schema, t->name);
            exec__put_text(m, "column_name", t->columns[c].name);
            exec__put_text(m, "privilege_type", all[i]);
            exec__put_text(m, "is_grantable", "YES");
            TRY(exec__give(m));
        }
    }
    return NULL;
}

static struct error *make_column_privileges(struct exec__maker *m)
{
    return each_table(m, "table_name", give_column_privileges);
}

/* ---- columns -------------------------------------------------------------------------------- */

enum { OCTETS = 4, TEXT_OCTETS = 1 << 30 };

static void put_character_size(struct exec__maker *m, const struct column *c)
{
    bool limited = (c->type == OID_VARCHAR || c->type == OID_BPCHAR) && c->typmod > 4;
    if (limited)
        exec__put_int(m, "character_maximum_length", c->typmod - 4);
    if ((c->type == OID_BIT || c->type == OID_VARBIT) && c->typmod > 0)
        exec__put_int(m, "character_maximum_length", c->typmod);
    if (limited)
        exec__put_int(m, "character_octet_length", (int64_t)(c->typmod - 4) * OCTETS);
    else if (c->type == OID_TEXT || c->type == OID_VARCHAR || c->type == OID_BPCHAR)
        exec__put_int(m, "character_octet_length", TEXT_OCTETS);
}

static void put_numeric_size(struct exec__maker *m, const struct column *c)
{
    static const struct {
        uint32_t type;
        int bits;
        bool exact;
    } sizes[] = {{OID_INT2, 16, true},
                 {OID_INT4, 32, true},
                 {OID_INT8, 64, true},
                 {OID_FLOAT4, 24, false},
                 {OID_FLOAT8, 53, false}};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        if (sizes[i].type != c->type)
            continue;
        exec__put_int(m, "numeric_precision", sizes[i].bits);
        exec__put_int(m, "numeric_precision_radix", 2);
        if (sizes[i].exact)
            exec__put_int(m, "numeric_scale", 0);
    }
    if (c->type != OID_NUMERIC)
        return;
    exec__put_int(m, "numeric_precision_radix", 10);
    if (c->typmod > 0) {
        exec__put_int(m, "numeric_precision", (c->typmod - 4) >> 16);
        exec__put_int(m, "numeric_scale", (((c->typmod - 4) & 0x7ff) ^ 1024) - 1024);
    }
}

static void put_time_size(struct exec__maker *m, const struct column *c)
{
    if (c->type == OID_DATE)
        exec__put_int(m, "datetime_precision", 0);
    if (c->type == OID_TIME || c->type == OID_TIMETZ || c->type == OID_TIMESTAMP ||
        c->type == OID_TIMESTAMPTZ)
        exec__put_int(m, "datetime_precision", c->typmod < 0 ? 6 : c->typmod);
    const char *fields = c->type == OID_INTERVAL && c->typmod >= 0
                             ? strchr(type_label(c->type, c->typmod, &m->arena), ' ')
                             : NULL;
    if (fields) { /* interval day to second(3) */
        char *words = arena_strdup(&m->arena, fields + 1);
        for (char *p = words; *p; p++)
            *p = (char)toupper((unsigned char)*p);
        exec__put_text(m, "interval_type", words);
    }
    if (c->type == OID_INTERVAL)
        exec__put_int(m, "datetime_precision",
                      c->typmod < 0 || (c->typmod & 0xffff) == 0xffff ? 6 : c->typmod & 0xffff);
}

/* What a column of this type and any parameter have in common. With a `domain` it is of that. */
void exec__put_type(struct exec__maker *m, const struct column *c, int number)
{
    const struct type *t = type_by_oid(c->type);
    bool own = c->domain || t->category == 'E' || t->category == 'C';
    exec__put_text(m, "data_type",
                   own                  ? "USER-DEFINED"
                   : t->category == 'A' ? "ARRAY"
                                        : type_label(c->type, -1, &m->arena));
    exec__put_text(m, "dtd_identifier", arena_printf(&m->arena, "%d", number));
    if (own)
        return;
    put_character_size(m, c);
    put_numeric_size(m, c);
    put_time_size(m, c);
}

/* The name of the type that values have. */
void exec__put_udt(struct exec__maker *m, const struct column *c)
{
    bool array;
    uint32_t oid = c->domain ? c->domain : c->type;
    const struct object *own = exec__type_by_oid(m->view, oid, &array);
    exec__put_name(m, "udt", "name", own ? own->schema : "pg_catalog", type_by_oid(oid)->name);
}

static void put_number(struct exec__maker *m, const char *column, int64_t i)
{
    exec__put_text(m, column, arena_printf(&m->arena, "%lld", (long long)i));
}

static void put_identity(struct exec__maker *m, const struct column *c)
{
    const struct sequence *s = c->identity ? catalog_sequence_by_id(m->view, c->sequence) : NULL;
    exec__put_text(m, "is_identity", yes(c->identity));
    exec__put_text(m, "identity_cycle", yes(s && s->cycle));
    if (!s)
        return;
    exec__put_text(m, "identity_generation", c->identity == 'a' ? "ALWAYS" : "BY DEFAULT");
    put_number(m, "identity_start", s->start);
    put_number(m, "identity_increment", s->increment);
    put_number(m, "identity_maximum", s->max);
    put_number(m, "identity_minimum", s->min);
}

static bool is_not_null(const struct catalog_view *v, uint32_t domain)
{
    const struct object *o = catalog_domain(v, domain);
    return o && o->domain->columns[0].not_null;
}

static struct error *give_columns(struct exec__maker *m, const struct table *t)
{
    const struct object *view = exec__view_of(m->view, t);
    _cleanup_(arena_done) struct arena arena = {0};
    struct sql_updatable u = {0};
    if (view && view->relation && exec__wants(m, "is_updatable"))
        sql_view_updatable(m->view, view, &arena, &u);
    for (int i = 0; i < t->n_columns; i++) {
        const struct column *c = &t->columns[i];
        if (c->dropped || !exec__needs_text(m, "column_name", c->name))
            continue;
        exec__put_name(m, "table", "name", t->schema, t->name);
        exec__put_text(m, "column_name", c->name);
        exec__put_int(m, "ordinal_position", i + 1);
        const char *expression = c->generated ? "generation_expression" : "column_default";
        if (c->default_sql && exec__wants(m, expression))
            exec__put_expr(m, expression, t, c->default_sql, c);
        bool not_null = c->not_null || is_not_null(m->view, c->domain);
        exec__put_text(m, "is_nullable", yes(!not_null));
        const struct object *domain = catalog_domain(m->view, c->domain);
        const struct column *beneath = domain ? &domain->domain->columns[0] : c;
        exec__put_type(m, beneath, i + 1);
        if (c->type == OID_NAME)
            exec__put_name(m, "collation", "name", "pg_catalog", "C");
        exec__put_udt(m, beneath);
        if (domain)
            exec__put_name(m, "domain", "name", domain->schema, domain->name);
        exec__put_text(m, "is_self_referencing", "NO");
        put_identity(m, c);
        exec__put_text(m, "is_generated", c->generated ? "ALWAYS" : "NEVER");
        exec__put_text(m, "is_updatable", yes(view ? u.updates && u.columns[i] : t->id != 0));
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_columns(struct exec__maker *m)
{
    return each_table(m, "table_name", give_columns);
}

/* ---- constraints ---------------------------------------------------------------------------- */

typedef struct error *constraint_fn(struct exec__maker *m, const struct table *t, const char *name,
                                    const char *kind, const void *part);

/* A column that is NOT NULL counts as a check, under a name of its own. */
static const char *not_null_name(struct exec__maker *m, const struct table *t, int column)
{
    return arena_printf(&m->arena, "%u_%u_%d_not_null", exec__namespace_oid(m->view, t->schema),
                        catalog_table_oid(t), column + 1);
}

static struct error *constraints_of(struct exec__maker *m, const struct table *t,
                                    constraint_fn *visit)
{
    for (int i = 0; i < t->n_checks; i++)
        TRY(visit(m, t, t->checks[i].name, "CHECK", &t->checks[i]));
    for (int i = 0; i < t->n_keys; i++)
        TRY(visit(m, t, t->keys[i].name, t->keys[i].primary ? "PRIMARY KEY" : "UNIQUE",
                  &t->keys[i]));
    for (int i = 0; i < t->n_foreign_keys; i++)
        TRY(visit(m, t, t->foreign_keys[i].name, "FOREIGN KEY", &t->foreign_keys[i]));
    return NULL;
}

static struct error *give_constraint(struct exec__maker *m, const struct table *t, const char *name,
                                     const char *kind, const void *part)
{
    exec__put_name(m, "constraint", "name", t->schema, name);
    exec__put_name(m, "table", "name", t->schema, t->name);
    exec__put_text(m, "constraint_type", kind);
    const struct foreign_key *fk = strcmp(kind, "FOREIGN KEY") == 0 ? part : NULL;
    const struct key *key =
        strcmp(kind, "PRIMARY KEY") == 0 || strcmp(kind, "UNIQUE") == 0 ? part : NULL;
    exec__put_text(m, "is_deferrable",
                   (fk && fk->deferrable) || (key && key->deferrable) ? "YES" : "NO");
    exec__put_text(m, "initially_deferred",
                   (fk && fk->deferred) || (key && key->deferred) ? "YES" : "NO");
    exec__put_text(m, "enforced", "YES");
    if (strcmp(kind, "UNIQUE") == 0)
        exec__put_text(m, "nulls_distinct", key->nulls_equal ? "NO" : "YES");
    return exec__give(m);
}

static struct error *give_table_constraints(struct exec__maker *m, const struct table *t)
{
    TRY(constraints_of(m, t, give_constraint));
    for (int i = 0; i < t->n_columns; i++)
        if (t->columns[i].not_null)
            TRY(give_constraint(m, t, not_null_name(m, t, i), "CHECK", NULL));
    return NULL;
}

static struct error *make_table_constraints(struct exec__maker *m)
{
    return each_table(m, "table_name", give_table_constraints);
}

static struct error *give_check(struct exec__maker *m, const struct table *t, const char *name,
                                const char *kind, const void *part)
{
    if (strcmp(kind, "CHECK") != 0)
        return NULL;
    exec__put_name(m, "constraint", "name", t->schema, name);
    _cleanup_(buf_done) struct buf b = {0};
    buf_puts(&b, "(");
    sql_deparse(m->view, t, ((const struct check *)part)->sql, NULL, false, &b);
    buf_puts(&b, ")");
    exec__put_text(m, "check_clause", arena_strndup(&m->arena, b.data, b.len));
    return exec__give(m);
}

static struct error *give_checks(struct exec__maker *m, const struct table *t)
{
    TRY(constraints_of(m, t, give_check));
    for (int c = 0; c < t->n_columns; c++) {
        if (!t->columns[c].not_null)
            continue;
        exec__put_name(m, "constraint", "name", t->schema, not_null_name(m, t, c));
        exec__put_text(m, "check_clause",
                       arena_printf(&m->arena, "%s IS NOT NULL", t->columns[c].name));
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_check_constraints(struct exec__maker *m)
{
    const struct table *t;
    char kind;
    for (size_t i = 0; (t = exec__next_relation(m->view, &i, &kind));)
        TRY(give_checks(m, t));
    const struct object *o;
    for (size_t i = 0; (o = catalog_next_type(m->view, &i));)
        if (o->kind == OBJ_DOMAIN)
            TRY(constraints_of(m, o->domain, give_check));
    return NULL;
}

/* The key that a foreign key leads to, as far as its columns tell. */
static const struct key *referenced_key(const struct table *to, const struct foreign_key *f)
{
    for (int k = 0; to && k < to->n_keys; k++) {
        int found = 0;
        for (int i = 0; i < f->n_columns; i++)
            for (int j = 0; j < to->keys[k].n_columns; j++)
                found += to->keys[k].columns[j] == f->ref_columns[i];
        if (found == f->n_columns && found == to->keys[k].n_columns)
            return &to->keys[k];
    }
    return NULL;
}

/* Which column of its key the i-th of a foreign key leads to, from 1. */
static int position_in_key(const struct key *k, int column)
{
    for (int i = 0; k && i < k->n_columns; i++)
        if (k->columns[i] == column)
            return i + 1;
    return 0;
}

static struct error *give_key_columns(struct exec__maker *m, const struct table *t,
                                      const char *name, const char *kind, const void *part)
{
    const struct foreign_key *f = strcmp(kind, "FOREIGN KEY") == 0 ? part : NULL;
    const struct key *own = f || strcmp(kind, "CHECK") == 0 ? NULL : part, *to = NULL;
    if (f)
        to = referenced_key(catalog_table_by_id(m->view, f->table), f);
    int n = f ? f->n_columns : own ? own->n_columns : 0;
    for (int i = 0; i < n; i++) {
        exec__put_name(m, "constraint", "name", t->schema, name);
        exec__put_name(m, "table", "name", t->schema, t->name);
        exec__put_text(m, "column_name", t->columns[f ? f->columns[i] : own->columns[i]].name);
        exec__put_int(m, "ordinal_position", i + 1);
        if (to)
            exec__put_int(m, "position_in_unique_constraint",
                          position_in_key(to, f->ref_columns[i]));
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *give_key_column_usage(struct exec__maker *m, const struct table *t)
{
    return constraints_of(m, t, give_key_columns);
}

static struct error *make_key_column_usage(struct exec__maker *m)
{
    return each_table(m, "table_name", give_key_column_usage);
}

static struct error *give_reference(struct exec__maker *m, const struct table *t, const char *name,
                                    const char *kind, const void *part)
{
    static const struct {
        char letter;
        const char *rule;
    } rules[] = {{'a', "NO ACTION"},
                 {'r', "RESTRICT"},
                 {'c', "CASCADE"},
                 {'n', "SET NULL"},
                 {'d', "SET DEFAULT"}};
    if (strcmp(kind, "FOREIGN KEY") != 0)
        return NULL;
    const struct foreign_key *f = part;
    const struct table *to = catalog_table_by_id(m->view, f->table);
    const struct key *k = referenced_key(to, f);
    exec__put_name(m, "constraint", "name", t->schema, name);
    if (k)
        exec__put_name(m, "unique_constraint", "name", to->schema, k->name);
    exec__put_text(m, "match_option", f->match_full ? "FULL" : "NONE");
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (rules[i].letter == f->on_update)
            exec__put_text(m, "update_rule", rules[i].rule);
        if (rules[i].letter == f->on_delete)
            exec__put_text(m, "delete_rule", rules[i].rule);
    }
    return exec__give(m);
}

static struct error *make_referential_constraints(struct exec__maker *m)
{
    for (size_t i = 0; i < m->view->n_tables; i++)
        TRY(constraints_of(m, m->view->tables[i], give_reference));
    return NULL;
}

/* The columns that a constraint is about: of a foreign key, those that it leads to. */
static struct error *give_used_columns(struct exec__maker *m, const struct table *t,
                                       const char *name, const char *kind, const void *part)
{
    if (strcmp(kind, "CHECK") == 0)
        return NULL;
    const struct foreign_key *f = strcmp(kind, "FOREIGN KEY") == 0 ? part : NULL;
    const struct table *of = f ? catalog_table_by_id(m->view, f->table) : t;
    const int *columns = f ? f->ref_columns : ((const struct key *)part)->columns;
    int n = !of ? 0 : f ? f->n_columns : ((const struct key *)part)->n_columns;
    for (int i = 0; i < n; i++) {
        exec__put_name(m, "table", "name", of->schema, of->name);
        exec__put_text(m, "column_name", of->columns[columns[i]].name);
        exec__put_name(m, "constraint", "name", t->schema, name);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_constraint_column_usage(struct exec__maker *m)
{
    for (size_t i = 0; i < m->view->n_tables; i++)
        TRY(constraints_of(m, m->view->tables[i], give_used_columns));
    return NULL;
}

static struct error *give_used_table(struct exec__maker *m, const struct table *t, const char *name,
                                     const char *kind, const void *part)
{
    if (strcmp(kind, "CHECK") == 0)
        return NULL;
    const struct table *of =
        strcmp(kind, "FOREIGN KEY") == 0
            ? catalog_table_by_id(m->view, ((const struct foreign_key *)part)->table)
            : t;
    if (!of)
        return NULL;
    exec__put_name(m, "table", "name", of->schema, of->name);
    exec__put_name(m, "constraint", "name", t->schema, name);
    return exec__give(m);
}

static struct error *make_constraint_table_usage(struct exec__maker *m)
{
    for (size_t i = 0; i < m->view->n_tables; i++)
        TRY(constraints_of(m, m->view->tables[i], give_used_table));
    return NULL;
}

/* ---- views ---------------------------------------------------------------------------------- */

static struct error *make_views(struct exec__maker *m)
{
    for (size_t i = 0; i < m->view->n_objects; i++) {
        const struct object *o = m->view->objects[i];
        if (o->kind != OBJ_VIEW || !exec__needs_text(m, "table_name", o->name))
            continue;
        _cleanup_(buf_done) struct buf b = {0};
        exec__define_view(o, &b);
        exec__put_name(m, "table", "name", o->schema, o->name);
        exec__put_text(m, "view_definition", b.data);
        exec__put_text(m, "check_option",
                       o->check_option == CHECK_LOCAL      ? "LOCAL"
                       : o->check_option == CHECK_CASCADED ? "CASCADED"
                                                           : "NONE");
        _cleanup_(arena_done) struct arena arena = {0};
        struct sql_updatable u = {0};
        if (exec__wants(m, "is_updatable") || exec__wants(m, "is_insertable_into"))
            sql_view_updatable(m->view, o, &arena, &u);
        exec__put_text(m, "is_updatable", yes(u.updates && u.deletes));
        exec__put_text(m, "is_insertable_into", yes(u.updates));
        exec__put_text(m, "is_trigger_updatable", "NO");
        exec__put_text(m, "is_trigger_deletable", "NO");
        exec__put_text(m, "is_trigger_insertable_into", "NO");
        TRY(exec__give(m));
    }
    return NULL;
}

/* What views read: its tables, or their columns. */
static struct error *make_view_usage(struct exec__maker *m, bool columns)
{
    for (size_t i = 0; i < m->view->n_objects; i++) {
        const struct object *o = m->view->objects[i];
        for (int k = 0; o->kind == OBJ_VIEW && k < o->n_uses; k++) {
            const struct object_use *u = &o->uses[k];
            const struct object *other = catalog_object_by_id(m->view, u->id);
            const struct table *t = other ? other->relation : catalog_table_by_id(m->view, u->id);
            for (int c = 0; t && c < (columns ? u->n_columns : 1); c++) {
                exec__put_name(m, "view", "name", o->schema, o->name);
                exec__put_name(m, "table", "name", t->schema, t->name);
                if (columns)
                    exec__put_text(m, "column_name", t->columns[u->columns[c]].name);
                TRY(exec__give(m));
            }
        }
    }
    return NULL;
}

static struct error *make_view_table_usage(struct exec__maker *m)
{
    return make_view_usage(m, false);
}

static struct error *make_view_column_usage(struct exec__maker *m)
{
    return make_view_usage(m, true);
}

/* ---- functions ------------------------------------------------------------------------------ */

static void put_specific(struct exec__maker *m, const struct func *f)
{
    exec__put_name(m, "specific", "name", "pg_catalog",
                   arena_printf(&m->arena, "%s_%u", f->name, exec__func_oid(f)));
}

static struct error *make_routines(struct exec__maker *m)
{
    size_t n;
    const struct func *all = func_table(&n);
    for (size_t i = 0; i < n; i++) {
        const struct func *f = &all[i];
        if (f->kind == FUNC_OPERATOR || !exec__needs_text(m, "routine_name", f->name))
            continue;
        put_specific(m, f);
        exec__put_name(m, "routine", "name", "pg_catalog", f->name);
        exec__put_text(m, "routine_type", f->kind == FUNC_SCALAR ? "FUNCTION" : NULL);
        exec__put_text(m, "data_type", type_label(f->result, -1, &m->arena));
        exec__put_name(m, "type_udt", "name", "pg_catalog", type_by_oid(f->result)->name);
        exec__put_text(m, "dtd_identifier", "0");
        exec__put_text(m, "routine_body", "EXTERNAL");
        exec__put_text(m, "external_language", "INTERNAL");
        exec__put_text(m, "parameter_style", "GENERAL");
        exec__put_text(m, "is_deterministic", yes(!f->volatile_));
        exec__put_text(m, "sql_data_access", "MODIFIES");
        exec__put_text(m, "is_null_call", yes(f->strict));
        exec__put_text(m, "schema_level_routine", "YES");
        exec__put_int(m, "max_dynamic_result_sets", 0);
        exec__put_text(m, "security_type", "INVOKER");
        exec__put_text(m, "as_locator", "NO");
        exec__put_text(m, "is_udt_dependent", "NO");
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_parameters(struct exec__maker *m)
{
    size_t n;
    const struct func *all = func_table(&n);
    for (size_t i = 0; i < n; i++) {
        const struct func *f = &all[i];
        for (int k = 0; f->kind != FUNC_OPERATOR && k < f->nargs; k++) {
            put_specific(m, f);
            exec__put_int(m, "ordinal_position", k + 1);
            exec__put_text(m, "parameter_mode", "IN");
            exec__put_text(m, "is_result", "NO");
            exec__put_text(m, "as_locator", "NO");
            exec__put_text(m, "data_type", type_label(f->args[k], -1, &m->arena));
            exec__put_name(m, "udt", "name", "pg_catalog", type_by_oid(f->args[k])->name);
            exec__put_text(m, "dtd_identifier", arena_printf(&m->arena, "%d", k + 1));
            TRY(exec__give(m));
        }
    }
    return NULL;
}

/* ---- the rest ------------------------------------------------------------------------------- */

static struct error *make_character_sets(struct exec__maker *m)
{
    exec__put_text(m, "character_set_name", "UTF8");
    exec__put_text(m, "character_repertoire", "UCS");
    exec__put_text(m, "form_of_use", "UTF8");
    exec__put_name(m, "default_collate", "name", "pg_catalog", "C");
    return exec__give(m);
}

static struct error *make_collations(struct exec__maker *m)
{
    static const char *const all[] = {"default", "C", "POSIX"};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        exec__put_name(m, "collation", "name", "pg_catalog", all[i]);
        exec__put_text(m, "pad_attribute", "NO PAD");
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_enabled_roles(struct exec__maker *m)
{
    exec__put_text(m, "role_name", m->run->s->user);
    return exec__give(m);
}

#define MAKING(name, make_fn)                                                                      \
    {                                                                                              \
        .schema = "information_schema", .relation = name, .make = make_fn                          \
    }

const struct exec__making exec__making_information[] = {
    MAKING("information_schema_catalog_name", make_catalog_name),
    MAKING("schemata", make_schemata),
    MAKING("tables", make_tables),
    MAKING("table_privileges", make_table_privileges),
    MAKING("role_table_grants", make_table_privileges),
    MAKING("column_privileges", make_column_privileges),
    MAKING("role_column_grants", make_column_privileges),
    MAKING("columns", make_columns),
    MAKING("table_constraints", make_table_constraints),
    MAKING("check_constraints", make_check_constraints),
    MAKING("key_column_usage", make_key_column_usage),
    MAKING("referential_constraints", make_referential_constraints),
    MAKING("constraint_column_usage", make_constraint_column_usage),
    MAKING("constraint_table_usage", make_constraint_table_usage),
    MAKING("views", make_views),
    MAKING("view_table_usage", make_view_table_usage),
    MAKING("view_column_usage", make_view_column_usage),
    MAKING("routines", make_routines),
    MAKING("parameters", make_parameters),
    MAKING("character_sets", make_character_sets),
    MAKING("collations", make_collations),
    MAKING("enabled_roles", make_enabled_roles),
    {0}};
