/*
 * System tables: what the catalog knows, as rows. `minisql_*` are ours; pg_catalog and
 * information_schema are PostgreSQL's, with all their columns. A statement that reads one is a
 * gather plan: rows are made when it runs, all of one statement from one view of the catalog.
 *
 * A relation is a row of exec__relations (its columns) and perhaps one of an exec__making_* table
 * (who makes its rows). Makers may look at the statement's filters to leave out rows that it does
 * not want; the statement filters again.
 */
#include "exec/system.h"

#include <ctype.h>

#include <assert.h>

/* ---- the list of tables --------------------------------------------------------------------- */

struct listed {
    struct table table;
    const struct exec__relation *relation;
    const struct exec__making *making; /* NULL: it has no rows */
};

/* Written once by make_list(), read only afterwards. */
static struct listed *listed;
static struct exec__relation *own_relations;
static int n_listed;
static const struct table **table_list;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct exec__making *const makings[] = {
    exec__making_sequences, exec__making_cluster,    exec__making_relations,
    exec__making_types,     exec__making_session,    exec__making_information,
    exec__making_procs,     exec__making_extensions, exec__making_state,
    exec__making_domains,   exec__making_own};

/* Domains of the information schema, which clients see as what they are over; and types that have
 * no row of their own: text stands in. */
static void column_type(const char *name, struct column *c)
{
    static const struct {
        const char *domain, *base;
        int32_t typmod;
    } domains[] = {{"sql_identifier", "name", -1},
                   {"character_data", "varchar", -1},
                   {"cardinal_number", "int4", -1},
                   {"yes_or_no", "varchar", 7},
                   {"time_stamp", "timestamptz", 2}};
    c->typmod = -1;
    for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
        if (strcmp(domains[i].domain, name) == 0) {
            name = domains[i].base;
            c->typmod = domains[i].typmod;
            break;
        }
    }
    const struct type *t = strcmp(name, "char") == 0 ? type_by_oid(OID_CHAR) : type_by_name(name);
    c->type = t ? t->oid : OID_TEXT;
}

static void read_columns(struct table *t, const char *text)
{
    int n = 1;
    for (const char *p = text; *p; p++)
        n += *p == ',';
    t->columns = mem_zalloc(sizeof(*t->columns) * (size_t)n);
    for (const char *p = text; *p; p += *p == ',' ? 2 : 0) {
        struct column *c = &t->columns[t->n_columns++];
        size_t name = strcspn(p, " "), type = strcspn(p + name + 1, "!,");
        _cleanup_(mem_freep) char *type_name = mem_strndup(p + name + 1, type);
        c->name = mem_strndup(p, name);
        column_type(type_name, c);
        p += name + 1 + type;
        c->not_null = *p == '!';
        p += *p == '!';
    }
}

static void add(const struct exec__relation *r, const struct exec__making *making)
{
    struct listed *l = &listed[n_listed];
    l->relation = r;
    l->making = making;
    l->table.schema = (char *)r->schema;
    l->table.name = (char *)r->name;
    l->table.oid = r->oid;
    read_columns(&l->table, r->columns);
    table_list[n_listed++] = &l->table;
}

static const struct exec__making *making_of(const struct exec__relation *r)
{
    for (size_t k = 0; k < ARRAY_LEN(makings); k++)
        for (const struct exec__making *x = makings[k]; x->relation; x++)
            if (strcmp(x->relation, r->name) == 0 && strcmp(x->schema, r->schema) == 0)
                return x;
    return NULL;
}

static void make_list(void)
{
    size_t n = exec__n_relations, own = 0;
    for (size_t k = 0; k < ARRAY_LEN(makings); k++)
        for (const struct exec__making *x = makings[k]; x->relation; x++)
            n += x->columns != NULL;
    listed = mem_zalloc(sizeof(*listed) * n);
    table_list = mem_zalloc(sizeof(*table_list) * n);
    own_relations = mem_zalloc(sizeof(*own_relations) * n);
    for (size_t i = 0; i < exec__n_relations; i++)
        add(&exec__relations[i], making_of(&exec__relations[i]));
    for (size_t k = 0; k < ARRAY_LEN(makings); k++) {
        for (const struct exec__making *x = makings[k]; x->relation; x++) {
            if (!x->columns)
                continue;
            own_relations[own] =
                (struct exec__relation){x->schema, x->relation, x->oid, 'v', x->columns};
            add(&own_relations[own++], x);
        }
    }
}

const struct table *const *exec_system_tables(int *ret_n)
{
    pthread_once(&once, make_list);
    *ret_n = n_listed;
    return table_list;
}

int exec__n_system_tables(void)
{
    return n_listed;
}

const struct table *exec__system_table(int i, const struct exec__relation **ret)
{
    *ret = listed[i].relation;
    return &listed[i].table;
}

const struct table *exec__next_relation(const struct catalog_view *v, size_t *i, char *ret_kind)
{
    size_t n_all = v->n_tables + v->n_objects + (size_t)n_listed;
    while (*i < n_all) {
        size_t at = (*i)++;
        *ret_kind = 'r';
        if (at < v->n_tables) {
            *ret_kind = v->tables[at]->query ? 'm' : 'r';
            return v->tables[at];
        }
        at -= v->n_tables;
        *ret_kind = 'v';
        if (at < v->n_objects && v->objects[at]->kind == OBJ_VIEW)
            return v->objects[at]->relation;
        *ret_kind = 'c';
        if (at < v->n_objects && v->objects[at]->kind == OBJ_COMPOSITE)
            return v->objects[at]->attributes;
        if (at < v->n_objects)
            continue;
        const struct listed *l = &listed[at - v->n_objects];
        *ret_kind = l->relation->kind;
        return &l->table;
    }
    return NULL;
}

const struct object *exec__query_of(const struct catalog_view *v, const struct table *t)
{
    return t->query ? t->query : exec__view_of(v, t);
}

const struct object *exec__view_of(const struct catalog_view *v, const struct table *t)
{
    const struct object *o = t->id && !t->region ? catalog_object_by_id(v, t->id) : NULL;
    return o && o->kind == OBJ_VIEW ? o : NULL;
}

static const struct listed *listed_of(const struct table *t)
{
    for (int i = 0; i < n_listed; i++)
        if (t == &listed[i].table)
            return &listed[i];
    return NULL;
}

/* ---- what rows are made of --------------------------------------------------------------------
 */

static bool is_only_table(const struct exec__maker *m)
{
    return m->only && (m->only->relkind == 'r' || m->only->relkind == 'm') && m->only->table->id;
}

const struct table *const *exec__made_tables(const struct exec__maker *m, size_t *ret_n)
{
    if (!m->only && !m->none) {
        *ret_n = m->view->n_tables;
        return (const struct table *const *)m->view->tables;
    }
    *ret_n = is_only_table(m);
    return *ret_n ? (const struct table *const *)&m->only->table : NULL;
}

const struct sequence *const *exec__made_sequences(struct exec__maker *m, size_t *ret_n)
{
    if (!m->only && !m->none) {
        *ret_n = m->view->n_sequences;
        return (const struct sequence *const *)m->view->sequences;
    }
    *ret_n = m->only && m->only->sequence;
    return *ret_n ? (const struct sequence *const *)&m->only->sequence : NULL;
}

const struct table *exec__next_made(const struct exec__maker *m, size_t *i, char *ret_kind)
{
    if (!m->only && !m->none)
        return exec__next_relation(m->view, i, ret_kind);
    if (!m->only || m->only->sequence || (*i)++)
        return NULL;
    *ret_kind = m->only->relkind;
    return m->only->table;
}

/* ---- values --------------------------------------------------------------------------------- */

static int column_named(struct exec__maker *m, const char *name)
{
    int n = m->table->n_columns;
    for (int i = 0; i < n; i++) {
        int at = (m->next + i) % n;
        if (strcmp(m->table->columns[at].name, name) == 0) {
            m->next = at + 1;
            return at;
        }
    }
    assert(!"a column that the table has not");
    return 0;
}

void exec__put(struct exec__maker *m, const char *column, struct value v)
{
    m->values[column_named(m, column)] = v;
}

void exec__put_text(struct exec__maker *m, const char *column, const char *s)
{
    exec__put(m, column,
              s ? (struct value){.kind = VALUE_TEXT, .s = {s, strlen(s)}}
                : (struct value){.kind = VALUE_NULL});
}

void exec__put_int(struct exec__maker *m, const char *column, int64_t i)
{
    exec__put(m, column, (struct value){.kind = VALUE_INT, .i = i});
}

void exec__put_char(struct exec__maker *m, const char *column, char c)
{
    exec__put_text(m, column, arena_strndup(&m->arena, &c, c != 0));
}

void exec__put_real(struct exec__maker *m, const char *column, double r)
{
    exec__put(m, column, (struct value){.kind = VALUE_REAL, .r = r});
}

void exec__put_ints(struct exec__maker *m, const char *column, const int64_t *v, int n)
{
    const struct column *c = &m->table->columns[column_named(m, column)];
    _cleanup_(buf_done) struct buf b = {0};
    if (n && (c->type == OID_INT2VECTOR || c->type == OID_OIDVECTOR)) /* they count from 0 */
        buf_printf(&b, "[0:%d]=", n - 1);
    buf_puts(&b, "{");
    for (int i = 0; i < n; i++)
        buf_printf(&b, "%s%lld", i ? "," : "", (long long)v[i]);
    buf_puts(&b, "}");
    exec__put_text(m, column, arena_strndup(&m->arena, b.data, b.len));
}

void exec__put_expr(struct exec__maker *m, const char *column, const struct table *t,
                    const char *sql, const struct column *of)
{
    _cleanup_(buf_done) struct buf b = {0};
    sql_deparse(m->view, t, sql, of, false, &b);
    exec__put_text(m, column, arena_strndup(&m->arena, b.data, b.len));
}

static void clear(struct exec__maker *m)
{
    static const struct value zero[] = {[VALUE_INT] = {.kind = VALUE_INT},
                                        [VALUE_REAL] = {.kind = VALUE_REAL},
                                        [VALUE_TEXT] = {.kind = VALUE_TEXT, .s = {"", 0}},
                                        [VALUE_BLOB] = {.kind = VALUE_BLOB, .s = {"", 0}}};
    for (int i = 0; i < m->table->n_columns; i++) {
        const struct column *c = &m->table->columns[i];
        m->values[i] = (struct value){.kind = VALUE_NULL};
        if (c->not_null)
            m->values[i] = zero[type_by_oid(c->type)->storage];
    }
    m->next = 0;
}

struct error *exec__give(struct exec__maker *m)
{
    for (int i = 0; i < m->scan->n_columns; i++)
        m->picked[i] = m->values[m->scan->columns[i]];
    struct error *e = m->row(m->ctx, m->picked, m->scan->n_columns);
    arena_reset(&m->arena);
    clear(m);
    return e;
}

bool exec__wants(const struct exec__maker *m, const char *column)
{
    for (int i = 0; i < m->scan->n_columns; i++)
        if (strcmp(m->table->columns[m->scan->columns[i]].name, column) == 0)
            return true;
    return false;
}

/* ---- filters -------------------------------------------------------------------------------- */

static const struct expr *uncast(const struct expr *e)
{
    while (e->kind == EXPR_CAST && !e->call.func)
        e = e->args[0];
    return e;
}

/* What a constant or a parameter is in this run; NULL: neither. */
static const struct value *known_value(const struct exec__maker *m, const struct expr *e)
{
    e = uncast(e);
    if (e->kind == EXPR_CONST)
        return &e->value;
    if (e->kind == EXPR_PARAM && e->param >= 1 && e->param <= m->run->n_params)
        return &m->run->params[e->param - 1];
    return NULL;
}

/* A regular expression that only one text matches, as psql writes it: ^(name)$ */
static bool is_one_text(const struct value *pattern, struct value *ret)
{
    static const char head[] = "^(", tail[] = ")$";
    size_t n = pattern->s.n, around = sizeof(head) - 1 + sizeof(tail) - 1;
    if (pattern->kind != VALUE_TEXT || n <= around || memcmp(pattern->s.p, head, 2) != 0 ||
        memcmp(pattern->s.p + n - 2, tail, 2) != 0)
        return false;
    *ret = *pattern;
    ret->s.p += sizeof(head) - 1;
    ret->s.n -= around;
    for (size_t i = 0; i < ret->s.n; i++)
        if (!isalnum((unsigned char)ret->s.p[i]) && ret->s.p[i] != '_')
            return false;
    return true;
}

static bool is_column(const struct exec__maker *m, const struct expr *e, const char *column)
{
    const struct expr *c = uncast(e);
    return c->kind == EXPR_COLUMN && c->col.rte == m->scan->rte &&
           strcmp(m->table->columns[c->col.column].name, column) == 0;
}

/* False: the statement has no `column = value`. */
static bool filter_on(const struct exec__maker *m, const char *column, struct value *ret)
{
    const struct rte *r = m->scan->rte;
    for (int i = 0; i < r->n_filters; i++) {
        const struct expr *f = r->filters[i];
        if (f->kind != EXPR_FUNC || f->n_args != 2)
            continue;
        bool equal = strcmp(f->call.func->name, "=") == 0;
        for (int side = 0; equal && side < 2; side++) {
            const struct value *v = known_value(m, f->args[1 - side]);
            if (v && is_column(m, f->args[side], column)) {
                *ret = *v;
                return true;
            }
        }
        const struct value *pattern =
            strcmp(f->call.func->name, "~") == 0 ? known_value(m, f->args[1]) : NULL;
        if (pattern && is_column(m, f->args[0], column) && is_one_text(pattern, ret))
            return true;
    }
    return false;
}

bool exec__needs_int(const struct exec__maker *m, const char *column, int64_t i)
{
    if (m->key_column && m->key->kind == VALUE_INT && strcmp(m->key_column, column) == 0)
        return m->key->i == i;
    struct value v;
    return !filter_on(m, column, &v) || v.kind != VALUE_INT || v.i == i;
}

bool exec__needs_text(const struct exec__maker *m, const char *column, const char *s)
{
    struct value v;
    return !filter_on(m, column, &v) || v.kind != VALUE_TEXT ||
           (v.s.n == strlen(s) && memcmp(v.s.p, s, v.s.n) == 0);
}

/* ---- running -------------------------------------------------------------------------------- */

void exec__system_view(struct run *r)
{
    if (!r->view)
        r->view = exec__with_temporary(
            r->s, catalog_of_database(exec_view(r->s), r->plan->view->database));
}

/* All relations and parts of them are among the objects; those of another state of the schema are
 * of no use. */
static void narrow_to_key(struct exec__maker *m)
{
    const struct exec__objects *all = exec__objects_now(m->run->s);
    if (m->key->kind != VALUE_INT || !all || exec__objects_view(all)->schema != m->view->schema)
        return;
    m->only = exec__object(all, (uint32_t)m->key->i);
    m->none = !m->only;
}

struct error *exec__system_rows_of(struct run *r, const struct plan_scan *scan, int column,
                                   const struct value *key, bool narrow, exec__row_fn row,
                                   void *ctx)
{
    const struct listed *l = listed_of(scan->rte->table);
    if (!l)
        return error_new(E_INTERNAL, "no such system table");
    if (!l->making)
        return NULL;
    exec__system_view(r);
    struct exec__maker m = {
        .run = r, .view = r->view, .scan = scan, .table = &l->table, .row = row, .ctx = ctx};
    if (key) {
        m.key = key;
        m.key_column = l->table.columns[scan->columns[column]].name;
    }
    if (narrow)
        narrow_to_key(&m);
    m.values = mem_zalloc(sizeof(*m.values) * (size_t)l->table.n_columns);
    m.picked = mem_zalloc(sizeof(*m.picked) * (size_t)MAX(scan->n_columns, 1));
    clear(&m);
    struct error *e = l->making->make(&m);
    mem_free(m.values);
    mem_free(m.picked);
    arena_done(&m.arena);
    return e;
}

struct error *exec__system_rows(struct run *r, const struct plan_scan *scan, exec__row_fn row,
                                void *ctx)
{
    if (scan->rte->table->n_owned > 0)
        return exec__sequence_row(r, scan, row, ctx);
    return exec__system_rows_of(r, scan, -1, NULL, false, row, ctx);
}
