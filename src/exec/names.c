/*
 * Names of the catalog's objects: what regclass, regtype and their like read and print. Who asks
 * is the session that the thread attends (its search_path decides which names need no schema).
 */
#include "exec/system.h"

static _Thread_local struct exec_session *attended;

void exec_attend(struct exec_session *s)
{
    attended = s;
}

struct exec_session *exec__attended(void)
{
    return attended;
}

/* ---- the search path ------------------------------------------------------------------------ */

static bool listed(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

int exec__search_path(struct exec_session *s, const struct catalog_view *v, struct arena *a,
                      const char ***ret)
{
    static const char *const usual[] = {"public"};
    const char *const *names = usual;
    int n = ARRAY_LEN(usual), len = 0;
    _cleanup_(mem_freep) char *text = NULL;
    struct error *e = s && s->io.show ? s->io.show(s->io.ctx, "search_path", &text) : NULL;
    error_free(e);
    if (text && !sql_search_path(text, a, &names, &n))
        n = 0;
    *ret = ARENA_ARRAY(a, const char *, n + 1);
    if (!listed(names, n, "pg_catalog"))
        (*ret)[len++] = "pg_catalog";
    for (int i = 0; i < n; i++) {
        const char *name = s && strcmp(names[i], "$user") == 0 ? s->user : names[i];
        if (catalog_schema(v, name) && !listed(*ret, len, name))
            (*ret)[len++] = arena_strdup(a, name);
    }
    return len;
}

bool exec__is_visible(struct exec_session *s, const struct catalog_view *v, const char *schema,
                      const char *name)
{
    _cleanup_(arena_done) struct arena a = {0};
    const char **path;
    int n = exec__search_path(s, v, &a, &path);
    for (int i = 0; i < n; i++) {
        if (strcmp(path[i], schema) == 0)
            return true;
        if (exec__find_relation(v, path[i], name))
            return false;
    }
    return false;
}

void exec__print_relation(struct exec_session *s, const struct catalog_view *v, const char *schema,
                          const char *name, bool qualify, struct buf *out)
{
    if (qualify || !exec__is_visible(s, v, schema, name)) {
        sql_quote_identifier(schema, out);
        buf_puts(out, ".");
    }
    sql_quote_identifier(name, out);
}

/* ---- reading -------------------------------------------------------------------------------- */

struct parts {
    int n;
    char text[3][CATALOG_NAME_MAX + 1];
};

/* a.b."C": 42602 when it is no name at all */
static struct error *split_name(const char *s, size_t n, struct parts *ret)
{
    const char *p = s, *end = s + n;
    *ret = (struct parts){0};
    do {
        char *to = ret->text[ret->n];
        size_t len = 0;
        bool quoted = p < end && *p == '"';
        for (p += quoted; p < end; p++) {
            if (quoted && *p == '"' && (p + 1 == end || p[1] != '"'))
                break;
            if (!quoted && *p == '.')
                break;
            p += quoted && *p == '"';
            char c = !quoted && *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
            if (len < CATALOG_NAME_MAX)
                to[len++] = c;
        }
        if (quoted && p++ == end)
            return error_new("42602", "invalid name syntax");
        if (!len || (p < end && *p != '.'))
            return error_new("42602", "invalid name syntax");
        ret->n++;
    } while (p++ < end && ret->n < 3);
    return p <= end ? error_new("42602", "invalid name syntax") : NULL;
}

uint32_t exec__find_relation(const struct catalog_view *v, const char *schema, const char *name)
{
    const struct table *t = catalog_table(v, schema, name);
    const struct index *x;
    const struct object *view = catalog_object(v, OBJ_VIEW, schema, name);
    const struct sequence *s = catalog_sequence(v, schema, name);
    if (t || view || s)
        return catalog_oid(t ? t->id : view ? view->id : s->id);
    for (int i = 0; i < exec__n_system_tables(); i++) {
        const struct exec__relation *r;
        exec__system_table(i, &r);
        if (strcmp(r->schema, schema) == 0 && strcmp(r->name, name) == 0)
            return r->oid;
    }
    for (size_t i = 0; i < v->n_tables; i++)
        for (int k = 0; k < v->tables[i]->n_keys; k++)
            if (strcmp(v->tables[i]->schema, schema) == 0 &&
                strcmp(v->tables[i]->keys[k].name, name) == 0)
                return catalog_oid(v->tables[i]->keys[k].index_id);
    return catalog_index(v, schema, name, &x) ? catalog_oid(x->id) : 0;
}

static struct error *find_class(const struct catalog_view *v, const char *s, size_t n,
                                uint32_t *ret)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct parts p;
    const char **path;
    TRY(split_name(s, n, &p));
    const char *name = p.text[p.n - 1];
    *ret = p.n > 1 ? exec__find_relation(v, p.text[p.n - 2], name) : 0;
    int len = p.n > 1 ? 0 : exec__search_path(attended, v, &a, &path);
    for (int i = 0; i < len && !*ret; i++)
        *ret = exec__find_relation(v, path[i], name);
    return *ret ? NULL
                : error_new(E_UNDEFINED_TABLE, "relation \"%.*s\" does not exist", (int)MIN(n, 500),
                            s);
}

static struct error *find_namespace(const struct catalog_view *v, const char *s, size_t n,
                                    uint32_t *ret)
{
    struct parts p;
    TRY(split_name(s, n, &p));
    *ret = p.n == 1 ? catalog_schema(v, p.text[0]) : 0;
    return *ret ? NULL : error_new("3F000", "schema \"%.*s\" does not exist", (int)MIN(n, 500), s);
}

static struct error *find_role(const char *s, size_t n, uint32_t *ret)
{
    struct parts p;
    TRY(split_name(s, n, &p));
    if (!attended || p.n != 1 || strcmp(p.text[0], attended->user) != 0)
        return error_new(E_UNDEFINED_OBJECT, "role \"%.*s\" does not exist", (int)MIN(n, 500), s);
    *ret = EXEC__OWNER;
    return NULL;
}

static struct error *find_func(const char *s, size_t n, uint32_t *ret)
{
    struct parts p;
    TRY(split_name(s, n, &p));
    int found = exec__funcs_named(p.text[p.n - 1], ret);
    if (found > 1)
        return error_new("42725", "more than one function named \"%.*s\"", (int)MIN(n, 500), s);
    return found ? NULL
                 : error_new(E_UNDEFINED_FUNCTION, "function \"%.*s\" does not exist",
                             (int)MIN(n, 500), s);
}

static struct error *find(uint32_t reg, const char *s, size_t n, uint32_t *ret)
{
    if (reg == OID_REGROLE)
        return find_role(s, n, ret);
    if (reg == OID_REGPROC)
        return find_func(s, n, ret);
    if (reg == OID_REGTYPE)
        return error_new(E_UNDEFINED_OBJECT, "type \"%.*s\" does not exist", (int)MIN(n, 500), s);
    if ((reg != OID_REGCLASS && reg != OID_REGNAMESPACE) || !attended)
        return error_hint(error_new(E_UNSUPPORTED, "names of this kind cannot be looked up"),
                          "Select the oid from the catalog.");
    const struct catalog_view *v;
    TRY(catalog_view_database(exec_catalog(attended), attended->database, &v));
    struct error *e = reg == OID_REGCLASS ? find_class(v, s, n, ret) : find_namespace(v, s, n, ret);
    catalog_unref(v);
    return e;
}

/* ---- printing ------------------------------------------------------------------------------- */

static bool print_class(uint32_t reg, uint32_t oid, struct buf *out)
{
    struct exec__objects *all = exec__objects_get(attended);
    const struct catalog_view *v = exec__objects_view(all);
    const struct exec__object *x = reg == OID_REGCLASS ? exec__object(all, oid) : NULL;
    const char *schema = reg == OID_REGNAMESPACE ? exec__namespace_name(v, oid) : NULL;
    bool known = x && exec__is_relation(x);
    if (known)
        exec__print_relation(attended, v, x->table->schema, exec__object_name(x), false, out);
    else if (schema)
        sql_quote_identifier(schema, out);
    exec__objects_put(attended->exec, all);
    return known || schema;
}

static bool print(uint32_t reg, uint32_t oid, struct buf *out)
{
    if (!attended)
        return false;
    if (reg == OID_REGCLASS || reg == OID_REGNAMESPACE)
        return print_class(reg, oid, out);
    if (reg == OID_REGPROCEDURE)
        return exec__print_procedure(oid, out);
    const char *name = reg == OID_REGROLE && oid == EXEC__OWNER          ? attended->user
                       : reg == OID_REGROLE && oid == EXEC__PUBLIC_OWNER ? "pg_database_owner"
                       : reg == OID_REGPROC                              ? exec__func_name(oid)
                                                                         : NULL;
    if (name)
        sql_quote_identifier(name, out);
    return name != NULL;
}

const struct type_names exec__type_names = {.find = find, .print = print};
