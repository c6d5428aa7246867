/*
 * pg_class and what hangs on it: columns, defaults, indexes, constraints, dependencies. Tables come
 * from the catalog, and so do the system tables, from their own list.
 */
#include "exec/system.h"

/* ---- indexes and keys ----------------------------------------------------------------------- */

int exec__n_indexes(const struct table *t)
{
    return t->n_keys + t->n_indexes;
}

/* A key that was added later has an index in the list, too: it is the same one. */
static bool belongs_to_key(const struct table *t, const struct index *x)
{
    for (int k = 0; k < t->n_keys; k++)
        if (strcmp(t->keys[k].name, x->name) == 0)
            return true;
    return false;
}

bool exec__index(const struct table *t, int i, struct exec__index *ret)
{
    if (i < t->n_keys) {
        const struct key *k = &t->keys[i];
        *ret = (struct exec__index){.oid = catalog_oid(k->index_id),
                                    .constraint = catalog_oid(k->id),
                                    .name = k->name,
                                    .method = AM_BTREE,
                                    .unique = true,
                                    .primary = k->primary,
                                    .deferrable = k->deferrable,
                                    .nulls_equal = k->nulls_equal,
                                    .n_columns = k->n_columns,
                                    .columns = k->columns,
                                    .options = k->options};
        return true;
    }
    const struct index *x = &t->indexes[i - t->n_keys];
    *ret = (struct exec__index){.oid = catalog_oid(x->id),
                                .name = x->name,
                                .method = x->method ? x->method : AM_BTREE,
                                .classes = x->classes,
                                .unique = x->unique,
                                .nulls_equal = x->nulls_equal,
                                .n_columns = x->n_columns,
                                .columns = x->columns,
                                .expressions = x->expressions,
                                .n_expressions = x->n_expressions,
                                .included = x->included,
                                .n_included = x->n_included,
                                .descending = x->descending,
                                .nulls_first = x->nulls_first,
                                .where_sql = x->where_sql,
                                .options = x->options};
    return !belongs_to_key(t, x);
}

struct column exec__index_column(const struct table *t, const struct exec__index *x, int i)
{
    int at = i < x->n_columns ? x->columns[i] : x->included[i - x->n_columns];
    if (at >= 0)
        return t->columns[at];
    const struct index_expression *e = &x->expressions[-1 - at];
    return (struct column){.name = e->name, .type = e->type, .typmod = e->typmod};
}

typedef struct error *index_fn(struct exec__maker *m, const struct table *t,
                               const struct exec__index *x);

static struct error *each_index(struct exec__maker *m, index_fn *visit)
{
    struct exec__index x;
    size_t n;
    const struct table *const *tables = exec__made_tables(m, &n);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < exec__n_indexes(tables[i]); k++)
            if (exec__index(tables[i], k, &x))
                TRY(visit(m, tables[i], &x));
    return NULL;
}

/* ---- pg_class ------------------------------------------------------------------------------- */

const char *exec__namespace_name(const struct catalog_view *v, uint32_t oid)
{
    static const char *const always[] = {"pg_catalog", "information_schema", "public",
                                         CATALOG_TEMP_SCHEMA};
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        if (catalog_schema(v, always[i]) == oid)
            return oid ? always[i] : NULL;
    for (size_t i = 0; i < v->n_objects; i++) {
        const struct object *o = v->objects[i];
        if (o->kind == OBJ_SCHEMA && !o->dropped && catalog_schema(v, o->name) == oid)
            return o->name;
    }
    return NULL;
}

uint32_t exec__namespace_oid(const struct catalog_view *v, const char *schema)
{
    return catalog_schema(v, schema);
}

struct error *exec__each_schema(struct exec__maker *m,
                                struct error *(*visit)(struct exec__maker *m, const char *name))
{
    if (!catalog_object(m->view, OBJ_SCHEMA, "", "public"))
        TRY(visit(m, "public"));
    if (exec_temp_text(m->run->s))
        TRY(visit(m, CATALOG_TEMP_SCHEMA));
    for (size_t i = 0; i < m->view->n_objects; i++) {
        const struct object *o = m->view->objects[i];
        if (o->kind == OBJ_SCHEMA && !o->dropped)
            TRY(visit(m, o->name));
    }
    return NULL;
}

static void put_relation(struct exec__maker *m, uint32_t oid, const char *name, const char *schema,
                         char kind)
{
    exec__put_int(m, "oid", oid);
    exec__put_text(m, "relname", name);
    exec__put_int(m, "relnamespace", exec__namespace_oid(m->view, schema));
    exec__put_int(m, "relowner", EXEC__OWNER);
    exec__put_int(m, "relfilenode", kind == 'v' ? 0 : oid);
    exec__put_char(m, "relpersistence", strcmp(schema, CATALOG_TEMP_SCHEMA) == 0 ? 't' : 'p');
    exec__put_char(m, "relkind", kind);
    exec__put_int(m, "relispopulated", true);
    exec__put_char(m, "relreplident", kind == 'r' || kind == 'm' ? 'd' : 'n');
}

static void put_options(struct exec__maker *m, const char *options)
{
    if (options)
        exec__put_text(m, "reloptions", arena_printf(&m->arena, "{%s}", options));
}

/* PostgreSQL's foreign keys are triggers, at both ends. */
static bool has_triggers(const struct exec__maker *m, const struct table *t)
{
    return t->n_foreign_keys > 0 || exec__is_referenced(exec__objects_now(m->run->s), t);
}

static bool needs_relation(const struct exec__maker *m, uint32_t oid, const char *name, char kind)
{
    return exec__needs_int(m, "oid", oid) && exec__needs_text(m, "relname", name) &&
           exec__needs_text(m, "relkind", (char[]){kind, 0});
}

static struct error *class_of_relation(struct exec__maker *m, const struct table *t, char kind)
{
    uint32_t oid = catalog_table_oid(t);
    bool ours = t->id && t->region;
    if (!needs_relation(m, oid, t->name, kind))
        return NULL;
    put_relation(m, oid, t->name, t->schema, kind);
    exec__put_int(m, "reltype",
                  kind == 'S'   ? 0
                  : kind == 'c' ? oid
                                : exec__row_type_oid(oid, false));
    put_options(m, t->options);
    exec__put_int(m, "relam", kind == 'r' || kind == 'm' ? EXEC__HEAP : 0);
    exec__put_int(m, "relispopulated", !t->unpopulated);
    double rows = kind == 'S' ? 1 : -1;
    if (ours && exec__wants(m, "reltuples"))
        rows = (double)exec__row_count(m->run->e, t);
    exec__put_real(m, "reltuples", rows);
    exec__put_int(m, "relhasindex", t->n_keys + t->n_indexes > 0);
    exec__put_int(m, "relnatts", t->n_columns);
    exec__put_int(m, "relchecks", t->n_checks);
    exec__put_int(m, "relhasrules", kind == 'v' || kind == 'm');
    if (ours)
        exec__put_int(m, "relhastriggers", has_triggers(m, t));
    return exec__give(m);
}

static struct error *class_of_index(struct exec__maker *m, const struct table *t,
                                    const struct exec__index *x)
{
    if (!needs_relation(m, x->oid, x->name, 'i'))
        return NULL;
    put_relation(m, x->oid, x->name, t->schema, 'i');
    exec__put_int(m, "relam", x->method);
    put_options(m, x->options);
    exec__put_int(m, "relnatts", x->n_columns + x->n_included);
    return exec__give(m);
}

static struct error *make_pg_class(struct exec__maker *m)
{
    const struct table *t;
    char kind;
    for (size_t i = 0; (t = exec__next_made(m, &i, &kind));)
        TRY(class_of_relation(m, t, kind));
    size_t n;
    const struct sequence *const *sequences = exec__made_sequences(m, &n);
    for (size_t i = 0; i < n; i++) {
        const struct table s = exec__sequence_table(sequences[i]);
        TRY(class_of_relation(m, &s, 'S'));
    }
    return each_index(m, class_of_index);
}

/* ---- columns -------------------------------------------------------------------------------- */

static void put_column(struct exec__maker *m, uint32_t relation, const struct column *c, int number)
{
    const struct type *t = type_by_oid(c->type);
    exec__put_int(m, "attrelid", relation);
    exec__put_text(m, "attname", c->name);
    exec__put_int(m, "atttypid", c->domain ? c->domain : c->type);
    exec__put_int(m, "attstattarget", -1);
    exec__put_int(m, "attlen", t->size);
    exec__put_int(m, "attnum", number);
    exec__put_int(m, "attndims", t->category == 'A' && !c->domain);
    exec__put_int(m, "attcacheoff", -1);
    exec__put_int(m, "atttypmod", c->domain ? -1 : c->typmod);
    exec__put_int(m, "attbyval", exec__by_value(t));
    exec__put_char(m, "attalign", exec__align(t));
    exec__put_char(m, "attstorage", exec__storage(t));
    exec__put_int(m, "attislocal", true);
    exec__put_int(m, "attcollation", exec__collation(t));
}

static void put_dropped(struct exec__maker *m, uint32_t relation, int number)
{
    exec__put_int(m, "attrelid", relation);
    exec__put_text(m, "attname", arena_printf(&m->arena, "........pg.dropped.%d........", number));
    exec__put_int(m, "attlen", -1);
    exec__put_int(m, "attnum", number);
    exec__put_int(m, "attcacheoff", -1);
    exec__put_int(m, "atttypmod", -1);
    exec__put_char(m, "attalign", 'i');
    exec__put_char(m, "attstorage", 'p');
    exec__put_int(m, "attisdropped", true);
    exec__put_int(m, "attislocal", true);
}

static struct error *columns_of(struct exec__maker *m, const struct table *t)
{
    uint32_t oid = catalog_table_oid(t);
    if (!exec__needs_int(m, "attrelid", oid))
        return NULL;
    for (int i = 0; i < t->n_columns; i++) {
        const struct column *c = &t->columns[i];
        if (c->dropped) {
            put_dropped(m, oid, i + 1);
            TRY(exec__give(m));
            continue;
        }
        put_column(m, oid, c, i + 1);
        exec__put_int(m, "attnotnull", c->not_null);
        exec__put_int(m, "atthasdef", c->default_sql != NULL);
        exec__put_char(m, "attidentity", c->identity);
        exec__put_char(m, "attgenerated", c->generated ? 's' : 0);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *columns_of_index(struct exec__maker *m, const struct table *t,
                                      const struct exec__index *x)
{
    if (!exec__needs_int(m, "attrelid", x->oid))
        return NULL;
    for (int i = 0; i < x->n_columns + x->n_included; i++) {
        const struct column c = exec__index_column(t, x, i);
        put_column(m, x->oid, &c, i + 1);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_pg_attribute(struct exec__maker *m)
{
    const struct table *t;
    char kind;
    for (size_t i = 0; (t = exec__next_made(m, &i, &kind));)
        TRY(columns_of(m, t));
    size_t n;
    const struct sequence *const *sequences = exec__made_sequences(m, &n);
    for (size_t i = 0; i < n; i++) {
        const struct table s = exec__sequence_table(sequences[i]);
        TRY(columns_of(m, &s));
    }
    return each_index(m, columns_of_index);
}

static struct error *make_pg_attrdef(struct exec__maker *m)
{
    size_t n;
    const struct table *const *tables = exec__made_tables(m, &n);
    for (size_t i = 0; i < n; i++) {
        const struct table *t = tables[i];
        for (int c = 0; c < t->n_columns; c++) {
            if (!t->columns[c].default_sql || !exec__needs_int(m, "adrelid", catalog_oid(t->id)))
                continue;
            exec__put_int(m, "oid", catalog_oid(t->columns[c].default_id));
            exec__put_int(m, "adrelid", catalog_oid(t->id));
            exec__put_int(m, "adnum", c + 1);
            if (exec__wants(m, "adbin"))
                exec__put_expr(m, "adbin", t, t->columns[c].default_sql, &t->columns[c]);
            TRY(exec__give(m));
        }
    }
    return NULL;
}

/* ---- pg_index ------------------------------------------------------------------------------- */

/* pg_index.indoption */
enum { DESCENDING = 1, NULLS_FIRST = 2 };

static void put_index_vectors(struct exec__maker *m, const struct table *t,
                              const struct exec__index *x)
{
    int all = x->n_columns + x->n_included;
    int64_t *v = ARENA_ARRAY(&m->arena, int64_t, all);
    for (int i = 0; i < all; i++)
        v[i] = MAX(i < x->n_columns ? x->columns[i] : x->included[i - x->n_columns], -1) + 1;
    exec__put_ints(m, "indkey", v, all);
    for (int i = 0; i < x->n_columns; i++)
        v[i] = exec__collation(type_by_oid(exec__index_column(t, x, i).type));
    exec__put_ints(m, "indcollation", v, x->n_columns);
    for (int i = 0; i < x->n_columns; i++)
        v[i] = x->classes && x->classes[i]
                   ? x->classes[i]
                   : exec__opclass(x->method, exec__index_column(t, x, i).type);
    exec__put_ints(m, "indclass", v, x->n_columns);
    for (int i = 0; i < x->n_columns; i++) {
        bool descending = x->descending && x->descending[i];
        v[i] = (descending ? DESCENDING : 0) |
               ((x->nulls_first ? x->nulls_first[i] : descending) ? NULLS_FIRST : 0);
    }
    exec__put_ints(m, "indoption", v, x->n_columns);
}

/* pg_index.indexprs, as pg_get_expr() prints it */
static void put_index_expressions(struct exec__maker *m, const struct table *t,
                                  const struct exec__index *x)
{
    struct buf b = {0};
    for (int i = 0; i < x->n_expressions; i++) {
        buf_puts(&b, i ? ", " : "");
        sql_deparse(m->view, t, x->expressions[i].sql, NULL, false, &b);
    }
    exec__put_text(m, "indexprs", arena_strndup(&m->arena, b.data, b.len));
    buf_done(&b);
}

static struct error *give_index(struct exec__maker *m, const struct table *t,
                                const struct exec__index *x)
{
    uint32_t table = catalog_oid(t->id);
    if (!exec__needs_int(m, "indexrelid", x->oid) || !exec__needs_int(m, "indrelid", table))
        return NULL;
    exec__put_int(m, "indexrelid", x->oid);
    exec__put_int(m, "indrelid", table);
    exec__put_int(m, "indnatts", x->n_columns + x->n_included);
    exec__put_int(m, "indnkeyatts", x->n_columns);
    exec__put_int(m, "indisunique", x->unique);
    exec__put_int(m, "indisprimary", x->primary);
    exec__put_int(m, "indimmediate", !x->deferrable);
    exec__put_int(m, "indnullsnotdistinct", x->nulls_equal);
    exec__put_int(m, "indisvalid", true);
    exec__put_int(m, "indisready", true);
    exec__put_int(m, "indislive", true);
    if (x->where_sql && exec__wants(m, "indpred"))
        exec__put_expr(m, "indpred", t, x->where_sql, NULL);
    if (x->n_expressions && exec__wants(m, "indexprs"))
        put_index_expressions(m, t, x);
    put_index_vectors(m, t, x);
    return exec__give(m);
}

static struct error *make_pg_index(struct exec__maker *m)
{
    return each_index(m, give_index);
}

/* ---- pg_constraint -------------------------------------------------------------------------- */

static void put_constraint(struct exec__maker *m, const struct table *t, uint64_t id,
                           const char *name, char kind)
{
    exec__put_int(m, "oid", catalog_oid(id));
    exec__put_text(m, "conname", name);
    exec__put_int(m, "connamespace", exec__namespace_oid(m->view, t->schema));
    exec__put_char(m, "contype", kind);
    exec__put_int(m, "convalidated", true);
    exec__put_int(m, t->is_domain ? "contypid" : "conrelid", catalog_oid(t->id));
    exec__put_text(m, "confupdtype", " ");
    exec__put_text(m, "confdeltype", " ");
    exec__put_text(m, "confmatchtype", " ");
    exec__put_int(m, "conislocal", true);
    exec__put_int(m, "connoinherit", kind != 'c' && !t->is_domain);
}

static void put_numbers(struct exec__maker *m, const char *column, const int *columns, int n)
{
    int64_t *v = ARENA_ARRAY(&m->arena, int64_t, MAX(n, 1));
    for (int i = 0; i < n; i++)
        v[i] = columns[i] + 1;
    exec__put_ints(m, column, v, n);
}

/* The index of the referenced key. */
static uint32_t referenced_index(const struct table *to, const struct foreign_key *f)
{
    struct exec__index x;
    for (int k = 0; k < exec__n_indexes(to); k++) {
        if (!exec__index(to, k, &x) || !x.unique || x.n_columns != f->n_columns)
            continue;
        int found = 0;
        for (int i = 0; i < f->n_columns; i++)
            for (int j = 0; j < x.n_columns; j++)
                found += f->ref_columns[i] == x.columns[j];
        if (found == f->n_columns)
            return x.oid;
    }
    return 0;
}

static struct error *give_foreign_key(struct exec__maker *m, const struct table *t,
                                      const struct foreign_key *f)
{
    const struct table *to = catalog_table_by_id(m->view, f->table);
    put_constraint(m, t, f->id, f->name, 'f');
    exec__put_int(m, "convalidated", !f->not_valid);
    exec__put_int(m, "condeferrable", f->deferrable);
    exec__put_int(m, "condeferred", f->deferred);
    exec__put_int(m, "conindid", to ? referenced_index(to, f) : 0);
    exec__put_int(m, "confrelid", catalog_oid(f->table));
    exec__put_char(m, "confupdtype", f->on_update);
    exec__put_char(m, "confdeltype", f->on_delete);
    exec__put_char(m, "confmatchtype", f->match_full ? 'f' : 's');
    put_numbers(m, "conkey", f->columns, f->n_columns);
    put_numbers(m, "confkey", f->ref_columns, f->n_columns);
    if (f->n_set)
        put_numbers(m, "confdelsetcols", f->set_columns, f->n_set);
    return exec__give(m);
}

static struct error *constraints_of(struct exec__maker *m, const struct table *t)
{
    for (int i = 0; i < t->n_checks; i++) {
        put_constraint(m, t, t->checks[i].id, t->checks[i].name, 'c');
        exec__put_int(m, "convalidated", !t->checks[i].not_valid);
        if (exec__wants(m, "conbin"))
            exec__put_expr(m, "conbin", t, t->checks[i].sql, NULL);
        if (exec__wants(m, "conkey") && !t->is_domain) {
            int *columns, n = sql_columns_of(m->view, t, t->checks[i].sql, &m->arena, &columns);
            if (n)
                put_numbers(m, "conkey", columns, n);
        }
        TRY(exec__give(m));
    }
    for (int i = 0; i < t->n_keys; i++) {
        const struct key *k = &t->keys[i];
        put_constraint(m, t, k->id, k->name, k->primary ? 'p' : 'u');
        exec__put_int(m, "conindid", catalog_oid(k->index_id));
        exec__put_int(m, "condeferrable", k->deferrable);
        exec__put_int(m, "condeferred", k->deferred);
        put_numbers(m, "conkey", k->columns, k->n_columns);
        TRY(exec__give(m));
    }
    for (int i = 0; i < t->n_foreign_keys; i++)
        TRY(give_foreign_key(m, t, &t->foreign_keys[i]));
    return NULL;
}

static struct error *make_pg_constraint(struct exec__maker *m)
{
    size_t n;
    const struct table *const *tables = exec__made_tables(m, &n);
    for (size_t i = 0; i < n; i++)
        if (exec__needs_int(m, "conrelid", catalog_oid(tables[i]->id)))
            TRY(constraints_of(m, tables[i]));
    const struct object *o;
    for (size_t i = 0; !m->only && (o = catalog_next_type(m->view, &i));) /* conrelid is 0 */
        if (o->kind == OBJ_DOMAIN && exec__needs_int(m, "contypid", catalog_oid(o->id)))
            TRY(constraints_of(m, o->domain));
    return NULL;
}

/* ---- pg_depend ------------------------------------------------------------------------------ */

enum {
    IN_REWRITE = 2618,
    IN_CLASS = 1259,
    IN_ATTRDEF = 2604,
    IN_CONSTRAINT = 2606,
    IN_NAMESPACE = 2615,
    IN_TYPE = 1247
};

static struct error *depend(struct exec__maker *m, int class, uint32_t oid, int on_class,
                            uint32_t on, int on_column, char kind)
{
    exec__put_int(m, "classid", class);
    exec__put_int(m, "objid", oid);
    exec__put_int(m, "refclassid", on_class);
    exec__put_int(m, "refobjid", on);
    exec__put_int(m, "refobjsubid", on_column);
    exec__put_char(m, "deptype", kind);
    return exec__give(m);
}

static struct error *depend_on_columns(struct exec__maker *m, int class, uint32_t oid, uint32_t on,
                                       const int *columns, int n, char kind)
{
    for (int i = 0; i < n; i++)
        if (columns[i] >= 0)
            TRY(depend(m, class, oid, IN_CLASS, on, columns[i] + 1, kind));
    return NULL;
}

static struct error *depend_foreign_key(struct exec__maker *m, uint32_t table,
                                        const struct foreign_key *f)
{
    uint32_t oid = catalog_oid(f->id);
    const struct table *to = catalog_table_by_id(m->view, f->table);
    TRY(depend_on_columns(m, IN_CONSTRAINT, oid, table, f->columns, f->n_columns, 'a'));
    if (!to)
        return NULL;
    TRY(depend(m, IN_CONSTRAINT, oid, IN_CLASS, referenced_index(to, f), 0, 'n'));
    return depend_on_columns(m, IN_CONSTRAINT, oid, catalog_oid(f->table), f->ref_columns,
                             f->n_columns, 'n');
}

static struct error *depend_index(struct exec__maker *m, const struct table *t,
                                  const struct exec__index *x)
{
    uint32_t table = catalog_oid(t->id);
    for (int i = 0; i < x->n_expressions; i++) {
        int *columns, n = sql_columns_of(m->view, t, x->expressions[i].sql, &m->arena, &columns);
        TRY(depend_on_columns(m, IN_CLASS, x->oid, table, columns, n, 'a'));
    }
    TRY(depend_on_columns(m, IN_CLASS, x->oid, table, x->included, x->n_included, 'a'));
    if (!x->constraint)
        return depend_on_columns(m, IN_CLASS, x->oid, table, x->columns, x->n_columns, 'a');
    TRY(depend_on_columns(m, IN_CONSTRAINT, x->constraint, table, x->columns, x->n_columns, 'a'));
    return depend(m, IN_CLASS, x->oid, IN_CONSTRAINT, x->constraint, 0, 'i');
}

static struct error *depend_default(struct exec__maker *m, uint32_t table, const struct column *c,
                                    int number)
{
    uint32_t oid = catalog_oid(c->default_id);
    TRY(depend(m, IN_ATTRDEF, oid, IN_CLASS, table, number, 'a'));
    return c->sequence ? depend(m, IN_ATTRDEF, oid, IN_CLASS, catalog_oid(c->sequence), 0, 'n')
                       : NULL;
}

static struct error *dependencies_of(struct exec__maker *m, const struct table *t)
{
    uint32_t table = catalog_oid(t->id);
    struct exec__index x;
    TRY(depend(m, IN_CLASS, table, IN_NAMESPACE, exec__namespace_oid(m->view, t->schema), 0, 'n'));
    for (int i = 0; i < t->n_columns; i++)
        if (t->columns[i].default_sql)
            TRY(depend_default(m, table, &t->columns[i], i + 1));
    for (int i = 0; i < t->n_checks; i++)
        TRY(depend(m, IN_CONSTRAINT, catalog_oid(t->checks[i].id), IN_CLASS, table, 0, 'a'));
    for (int i = 0; i < exec__n_indexes(t); i++)
        if (exec__index(t, i, &x))
            TRY(depend_index(m, t, &x));
    for (int i = 0; i < t->n_foreign_keys; i++)
        TRY(depend_foreign_key(m, table, &t->foreign_keys[i]));
    return NULL;
}

static struct error *dependencies_of_view(struct exec__maker *m, const struct object *view)
{
    uint32_t rule = exec__rule_oid(view), oid = catalog_oid(view->id);
    TRY(depend(m, IN_CLASS, oid, IN_NAMESPACE, exec__namespace_oid(m->view, view->schema), 0, 'n'));
    TRY(depend(m, IN_REWRITE, rule, IN_CLASS, oid, 0, 'i'));
    for (int i = 0; i < view->n_uses; i++) {
        const struct object_use *u = &view->uses[i];
        uint32_t on = catalog_oid(u->id);
        if (u->n_columns == 0)
            TRY(depend(m, IN_REWRITE, rule, IN_CLASS, on, 0, 'n'));
        TRY(depend_on_columns(m, IN_REWRITE, rule, on, u->columns, u->n_columns, 'n'));
        const struct table *t = u->by_key ? catalog_table_by_id(m->view, u->id) : NULL;
        for (int k = 0; t && k < t->n_keys; k++)
            if (t->keys[k].primary)
                TRY(depend(m, IN_REWRITE, rule, IN_CONSTRAINT, catalog_oid(t->keys[k].id), 0, 'n'));
    }
    return NULL;
}

static struct error *dependencies_of_sequences(struct exec__maker *m)
{
    for (size_t i = 0; i < m->view->n_sequences; i++) {
        const struct sequence *s = m->view->sequences[i];
        uint32_t oid = catalog_oid(s->id);
        int column;
        const struct table *t = exec__owner_of(exec__objects_now(m->run->s), s->id, &column);
        TRY(depend(m, IN_CLASS, oid, IN_NAMESPACE, exec__namespace_oid(m->view, s->schema), 0,
                   'n'));
        if (t)
            TRY(depend(m, IN_CLASS, oid, IN_CLASS, catalog_oid(t->id), column + 1,
                       t->columns[column].identity ? 'i' : 'a'));
    }
    return NULL;
}

/* On what users made; what the system has is always there. */
static struct error *depend_on_type(struct exec__maker *m, int class, uint32_t oid, int part,
                                    const struct column *c)
{
    uint32_t type = c->domain ? c->domain : c->type;
    if (type < FIRST_USER_OID)
        return NULL;
    exec__put_int(m, "objsubid", part);
    return depend(m, class, oid, IN_TYPE, type, 0, 'n');
}

static struct error *dependencies_of_types(struct exec__maker *m)
{
    const struct object *o;
    for (size_t i = 0; (o = catalog_next_type(m->view, &i));) {
        uint32_t oid = catalog_oid(o->id), schema = exec__namespace_oid(m->view, o->schema);
        TRY(depend(m, IN_TYPE, oid, IN_NAMESPACE, schema, 0, 'n'));
        if (o->domain)
            TRY(depend_on_type(m, IN_TYPE, oid, 0, &o->domain->columns[0]));
        for (int k = 0; o->domain && k < o->domain->n_checks; k++)
            TRY(depend(m, IN_CONSTRAINT, catalog_oid(o->domain->checks[k].id), IN_TYPE, oid, 0,
                       'a'));
    }
    for (size_t i = 0; i < m->view->n_tables; i++) {
        const struct table *t = m->view->tables[i];
        for (int c = 0; c < t->n_columns; c++)
            if (!t->columns[c].dropped)
                TRY(depend_on_type(m, IN_CLASS, catalog_oid(t->id), c + 1, &t->columns[c]));
    }
    return NULL;
}

static struct error *make_pg_depend(struct exec__maker *m)
{
    TRY(dependencies_of_types(m));
    for (size_t i = 0; i < m->view->n_tables; i++)
        TRY(dependencies_of(m, m->view->tables[i]));
    TRY(dependencies_of_sequences(m));
    const struct object *view;
    for (size_t i = 0; (view = catalog_next_view(m->view, &i));)
        TRY(dependencies_of_view(m, view));
    return NULL;
}

static struct error *give_comment(void *ctx, const struct exec__comment *c)
{
    struct exec__maker *m = ctx;
    exec__put_int(m, "objoid", c->oid);
    exec__put_int(m, "classoid", c->class);
    exec__put_int(m, "objsubid", c->part);
    exec__put_text(m, "description", c->text);
    return exec__give(m);
}

static struct error *make_pg_description(struct exec__maker *m)
{
    return exec__each_comment(m->view, give_comment, m);
}

static struct error *give_database_comment(void *ctx, const struct exec__comment *c)
{
    struct exec__maker *m = ctx;
    exec__put_int(m, "objoid", c->oid);
    exec__put_int(m, "classoid", c->class);
    exec__put_text(m, "description", c->text);
    return exec__give(m);
}

static struct error *make_pg_shdescription(struct exec__maker *m)
{
    return exec__each_database_comment(m->view, give_database_comment, m);
}

/* ---- views ---------------------------------------------------------------------------------- */

static struct error *make_pg_rewrite(struct exec__maker *m)
{
    const struct object *o;
    for (size_t i = 0; (o = catalog_next_view(m->view, &i));) {
        exec__put_int(m, "oid", exec__rule_oid(o));
        exec__put_text(m, "rulename", "_RETURN");
        exec__put_int(m, "ev_class", catalog_oid(o->id));
        exec__put_char(m, "ev_type", '1');
        exec__put_char(m, "ev_enabled", 'O');
        exec__put_int(m, "is_instead", true);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_pg_views(struct exec__maker *m)
{
    for (size_t i = 0; i < m->view->n_objects; i++) {
        const struct object *o = m->view->objects[i];
        if (o->kind != OBJ_VIEW || !exec__needs_text(m, "viewname", o->name))
            continue;
        _cleanup_(buf_done) struct buf b = {0};
        exec__define_view(o, &b);
        exec__put_text(m, "schemaname", o->schema);
        exec__put_text(m, "viewname", o->name);
        exec__put_text(m, "viewowner", m->run->s->user);
        exec__put_text(m, "definition", b.data);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_pg_matviews(struct exec__maker *m)
{
    for (size_t i = 0; i < m->view->n_tables; i++) {
        const struct table *t = m->view->tables[i];
        if (!t->query || !exec__needs_text(m, "matviewname", t->name))
            continue;
        _cleanup_(buf_done) struct buf b = {0};
        exec__define_view(t->query, &b);
        exec__put_text(m, "schemaname", t->schema);
        exec__put_text(m, "matviewname", t->name);
        exec__put_text(m, "matviewowner", m->run->s->user);
        exec__put_int(m, "hasindexes", t->n_indexes > 0);
        exec__put_int(m, "ispopulated", !t->unpopulated);
        exec__put_text(m, "definition", b.data);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *give_pg_index(struct exec__maker *m, const struct table *t,
                                   const struct exec__index *x)
{
    _cleanup_(buf_done) struct buf b = {0};
    if (!exec__needs_text(m, "tablename", t->name) || !exec__needs_text(m, "indexname", x->name))
        return NULL;
    exec__define_index(m->run->s, exec__objects_now(m->run->s), t, x, false, &b);
    exec__put_text(m, "schemaname", t->schema);
    exec__put_text(m, "tablename", t->name);
    exec__put_text(m, "indexname", x->name);
    exec__put_text(m, "indexdef", b.data);
    return exec__give(m);
}

static struct error *make_pg_indexes(struct exec__maker *m)
{
    return each_index(m, give_pg_index);
}

/* ---- namespaces, and views over all this ---------------------------------------------------- */

static struct error *give_namespace(struct exec__maker *m, const char *name)
{
    exec__put_int(m, "oid", exec__namespace_oid(m->view, name));
    exec__put_text(m, "nspname", name);
    bool is_public = strcmp(name, "public") == 0;
    exec__put_int(m, "nspowner", is_public ? EXEC__PUBLIC_OWNER : EXEC__OWNER);
    if (is_public)
        exec__put_text(m, "nspacl",
                       "{pg_database_owner=UC/pg_database_owner,=U/pg_database_owner}");
    return exec__give(m);
}

static struct error *make_pg_namespace(struct exec__maker *m)
{
    TRY(give_namespace(m, "pg_catalog"));
    TRY(give_namespace(m, "information_schema"));
    return exec__each_schema(m, give_namespace);
}

static struct error *make_pg_tables(struct exec__maker *m)
{
    const struct table *t;
    char kind;
    for (size_t i = 0; (t = exec__next_relation(m->view, &i, &kind));) {
        if (kind != 'r' || !exec__needs_text(m, "tablename", t->name))
            continue;
        exec__put_text(m, "schemaname", t->schema);
        exec__put_text(m, "tablename", t->name);
        exec__put_text(m, "tableowner", m->run->s->user);
        exec__put_int(m, "hasindexes", t->n_keys + t->n_indexes > 0);
        exec__put_int(m, "hasrules", false);
        exec__put_int(m, "hastriggers", has_triggers(m, t));
        exec__put_int(m, "rowsecurity", false);
        TRY(exec__give(m));
    }
    return NULL;
}

const struct exec__making exec__making_relations[] = {
    {.schema = "pg_catalog", .relation = "pg_class", .make = make_pg_class},
    {.schema = "pg_catalog", .relation = "pg_attribute", .make = make_pg_attribute},
    {.schema = "pg_catalog", .relation = "pg_attrdef", .make = make_pg_attrdef},
    {.schema = "pg_catalog", .relation = "pg_index", .make = make_pg_index},
    {.schema = "pg_catalog", .relation = "pg_constraint", .make = make_pg_constraint},
    {.schema = "pg_catalog", .relation = "pg_depend", .make = make_pg_depend},
    {.schema = "pg_catalog", .relation = "pg_namespace", .make = make_pg_namespace},
    {.schema = "pg_catalog", .relation = "pg_tables", .make = make_pg_tables},
    {.schema = "pg_catalog", .relation = "pg_description", .make = make_pg_description},
    {.schema = "pg_catalog", .relation = "pg_shdescription", .make = make_pg_shdescription},
    {.schema = "pg_catalog", .relation = "pg_rewrite", .make = make_pg_rewrite},
    {.schema = "pg_catalog", .relation = "pg_views", .make = make_pg_views},
    {.schema = "pg_catalog", .relation = "pg_matviews", .make = make_pg_matviews},
    {.schema = "pg_catalog", .relation = "pg_indexes", .make = make_pg_indexes},
    {0}};
