/*
 * Names of the catalog's objects: what regclass, regtype and their like read and print. Who asks
 * is the session that the thread attends (its search_path decides which names need no schema).
 */
#include "exec/system.h"

#include <ctype.h>
#include <strings.h>

static _Thread_local struct exec_session *attended;

void exec_attend(struct exec_session *s)
{
    attended = s;
}

struct exec_session *exec__attended(void)
{
    return attended;
}

struct error *exec__not_elsewhere(const char *what, const char *hint)
{
    struct error *e = error_new(
        E_UNSUPPORTED, "a statement that writes to a table of another server can't %s", what);
    return error_hint(e, "%s", hint);
}

struct error *exec__client(struct exec_session **ret)
{
    *ret = attended;
    if (!attended)
        return error_new(E_UNSUPPORTED, "this function needs a session");
    if (attended->internal)
        return exec__not_elsewhere("ask each of its rows for the client's session",
                                   "SELECT what the function gives first, and write then.");
    return NULL;
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
    *ret = ARENA_ARRAY(a, const char *, n + 2);
    if (s && exec_temp_text(s) && !listed(names, n, "pg_temp"))
        (*ret)[len++] = CATALOG_TEMP_SCHEMA;
    if (!listed(names, n, "pg_catalog"))
        (*ret)[len++] = "pg_catalog";
    for (int i = 0; i < n; i++) {
        const char *name = s && strcmp(names[i], "$user") == 0 ? s->user : names[i];
        if (strcmp(name, "pg_temp") == 0 && s && exec_temp_text(s))
            name = CATALOG_TEMP_SCHEMA;
        if (catalog_schema(v, name) && !listed(*ret, len, name))
            (*ret)[len++] = arena_strdup(a, name);
    }
    return len;
}

bool exec__is_visible(struct exec_session *s, const struct exec__objects *o, const char *schema,
                      const char *name)
{
    _cleanup_(arena_done) struct arena a = {0};
    const char **path;
    int n = exec__search_path(s, exec__objects_view(o), &a, &path);
    for (int i = 0; i < n; i++) {
        if (strcmp(path[i], schema) == 0)
            return true;
        if (exec__relation_named(o, path[i], name))
            return false;
    }
    return false;
}

void exec__print_relation(struct exec_session *s, const struct exec__objects *o, const char *schema,
                          const char *name, bool qualify, struct buf *out)
{
    if (qualify || !exec__is_visible(s, o, schema, name)) {
        sql_quote_identifier(schema, out);
        buf_puts(out, ".");
    }
    sql_quote_identifier(name, out);
}

/* ---- types ---------------------------------------------------------------------------------- */

const struct object *exec__type_by_oid(const struct catalog_view *v, uint32_t oid, bool *ret_array)
{
    const struct type *t = oid >= FIRST_USER_OID ? type_by_oid(oid) : NULL;
    *ret_array = t && t->element;
    const struct object *o =
        t ? catalog_object_by_id(v, (t->element ? t->element : oid) - FIRST_USER_OID) : NULL;
    bool type = o && (o->kind == OBJ_ENUM || o->kind == OBJ_DOMAIN || o->kind == OBJ_COMPOSITE);
    return type ? o : NULL;
}

/* In a schema, by its name or by that of its arrays. */
static uint32_t type_in(const struct catalog_view *v, const char *schema, const char *name)
{
    const struct object *o = catalog_type(v, schema, name);
    if (o)
        return catalog_oid(o->id);
    o = *name == '_' ? catalog_type(v, schema, name + 1) : NULL;
    return o && o->array_id ? catalog_oid(o->array_id) : 0;
}

bool exec__is_type_visible(struct exec_session *s, const struct exec__objects *o,
                           const struct object *type)
{
    _cleanup_(arena_done) struct arena a = {0};
    const char **path;
    const struct catalog_view *v = exec__objects_view(o);
    int n = exec__search_path(s, v, &a, &path);
    for (int i = 0; i < n; i++) {
        if (strcmp(path[i], type->schema) == 0)
            return true;
        bool system = strcmp(path[i], "pg_catalog") == 0;
        if (system ? type_by_name(type->name) != NULL : type_in(v, path[i], type->name) != 0)
            return false;
    }
    return false;
}

/* ---- reading -------------------------------------------------------------------------------- */

struct parts {
    int n;
    char text[3][CATALOG_NAME_MAX + 1];
};

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && isspace((unsigned char)*p))
        p++;
    return p;
}

/* What more than two parts mean to a relation (its messages differ) or another object. */
static struct error *check_parts(const struct parts *p, const char *all, bool relation)
{
    if (p->n > 3)
        return error_new(E_SYNTAX, "improper %s name (too many dotted names): %s",
                         relation ? "relation" : "qualified", all);
    const char *quote = relation ? "\"" : "";
    if (p->n == 3 && !attended->internal && strcmp(p->text[0], attended->database) != 0)
        return error_new(E_UNSUPPORTED, "cross-database references are not implemented: %s%s%s",
                         quote, all, quote);
    return NULL;
}

/* a.b."C", with blanks around the parts: 42602 when it is no name at all */
static struct error *split_name(const char *s, size_t n, bool relation, struct parts *ret)
{
    _cleanup_(buf_done) struct buf all = {0};
    const char *p = s, *end = s + n;
    *ret = (struct parts){0};
    do {
        char *to = ret->text[MIN(ret->n, 2)];
        size_t len = 0;
        p = skip_blanks(p, end);
        bool quoted = p < end && *p == '"';
        for (p += quoted; p < end; p++) {
            if (quoted && *p == '"' && (p + 1 == end || p[1] != '"'))
                break;
            if (!quoted && (*p == '.' || isspace((unsigned char)*p)))
                break;
            p += quoted && *p == '"';
            char c = !quoted && *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
            if (len < CATALOG_NAME_MAX)
                to[len++] = c;
        }
        if (quoted && p++ == end)
            return error_new("42602", "invalid name syntax");
        p = skip_blanks(p, end);
        if (!len || (p < end && *p != '.'))
            return error_new("42602", "invalid name syntax");
        buf_printf(&all, "%s%.*s", ret->n++ ? "." : "", (int)len, to);
    } while (p++ < end);
    return check_parts(ret, all.data, relation);
}

/* A name that stands in no schema. */
static struct error *split_one(const char *s, size_t n, struct parts *ret)
{
    TRY(split_name(s, n, false, ret));
    return ret->n == 1 ? NULL : error_new("42602", "invalid name syntax");
}

/* By the name that pg_type has, as somebody quoted it: "int4", not "integer". */
static uint32_t built_in_type(const char *name)
{
    const struct type *t = strcmp(name, "char") == 0 ? type_by_oid(OID_CHAR) : type_by_name(name);
    return t && strcmp(t->name, name) == 0 && t->oid < FIRST_USER_OID ? t->oid : 0;
}

/* The oid of a relation or type in a schema. */
static uint32_t find_in(uint32_t reg, const struct exec__objects *o, const char *schema,
                        const char *name)
{
    if (reg == OID_REGTYPE && strcmp(schema, "pg_catalog") == 0)
        return built_in_type(name);
    if (reg == OID_REGTYPE)
        return type_in(exec__objects_view(o), schema, name);
    const struct exec__object *x = exec__relation_named(o, schema, name);
    return x ? x->oid : 0;
}

static struct error *find_in_path(uint32_t reg, const struct exec__objects *o, const char *s,
                                  size_t n, uint32_t *ret)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct parts p;
    const char **path;
    TRY(split_name(s, n, reg == OID_REGCLASS, &p));
    const char *name = p.text[p.n - 1];
    *ret = p.n > 1 ? find_in(reg, o, p.text[p.n - 2], name) : 0;
    int len = p.n > 1 ? 0 : exec__search_path(attended, exec__objects_view(o), &a, &path);
    for (int i = 0; i < len && !*ret; i++)
        *ret = find_in(reg, o, path[i], name);
    return NULL;
}

static struct error *find_class(const struct exec__objects *o, const char *s, size_t n,
                                uint32_t *ret)
{
    struct parts p;
    TRY(split_name(s, n, true, &p));
    TRY(find_in_path(OID_REGCLASS, o, s, n, ret));
    return *ret ? NULL
                : error_new(E_UNDEFINED_TABLE, "relation \"%s%s%s%s%s\" does not exist", p.text[0],
                            p.n > 1 ? "." : "", p.text[1], p.n > 2 ? "." : "", p.text[2]);
}

static struct error *no_type(const char *s, size_t n)
{
    struct parts p;
    TRY(split_name(s, n, false, &p));
    return error_new(E_UNDEFINED_OBJECT, "type \"%s%s%s\" does not exist",
                     p.n > 1 ? p.text[p.n - 2] : "", p.n > 1 ? "." : "", p.text[p.n - 1]);
}

/* What the parser says of a text that names no type. */
static struct error *no_type_name(const char *s, size_t n)
{
    static const char before[] = "ALTER TABLE x ALTER x TYPE ";
    _cleanup_(arena_done) struct arena a = {0};
    struct sql_script script = {0};
    struct error *e = sql_parse(arena_printf(&a, "%s%.*s", before, (int)n, s), &a, &script);
    sql_script_done(&script);
    if (!e || strspn(s, " \t\n") >= n) {
        error_free(e);
        return error_new(E_SYNTAX, "invalid type name \"%.*s\"", (int)MIN(n, 500), s);
    }
    e->position = 0; /* it would be one in another text */
    return e;
}

/* A user's type, or one of the program's own by a quoted name; types/ knows what is not quoted. */
static struct error *find_type(const struct exec__objects *o, const char *s, size_t n,
                               uint32_t *ret)
{
    bool array = n > 2 && memcmp(s + n - 2, "[]", 2) == 0;
    n -= array ? 2 : 0;
    struct error *e = find_in_path(OID_REGTYPE, o, s, n, ret);
    if (error_is(e, "42602")) {
        error_free(e);
        return no_type_name(s, n);
    }
    TRY(e);
    const struct type *t = type_by_oid(*ret);
    if (t && array)
        *ret = t->array;
    return t && *ret ? NULL : no_type(s, n);
}

static struct error *find_namespace(const struct catalog_view *v, const char *s, size_t n,
                                    uint32_t *ret)
{
    struct parts p;
    TRY(split_one(s, n, &p));
    *ret = catalog_schema(v, p.text[0]);
    return *ret ? NULL : error_new("3F000", "schema \"%s\" does not exist", p.text[0]);
}

static struct error *find_role(const char *s, size_t n, uint32_t *ret)
{
    struct parts p;
    TRY(split_one(s, n, &p));
    bool public_owner = strcmp(p.text[0], "pg_database_owner") == 0;
    if (!public_owner && (!attended || strcmp(p.text[0], attended->user) != 0))
        return error_new(E_UNDEFINED_OBJECT, "role \"%s\" does not exist", p.text[0]);
    *ret = public_owner ? EXEC__PUBLIC_OWNER : EXEC__OWNER;
    return NULL;
}

/* Can there be a function in it? */
static struct error *function_schema(const struct catalog_view *v, const struct parts *p,
                                     bool *ret_there)
{
    const char *schema = p->n > 1 ? p->text[p->n - 2] : "pg_catalog";
    const char *other = sql_extension_schema(p->text[p->n - 1]);
    *ret_there = strcmp(schema, "pg_catalog") == 0 || (other && strcmp(schema, other) == 0) ||
                 (strcmp(schema, "information_schema") == 0 && p->text[p->n - 1][0] == '_');
    return *ret_there || catalog_schema(v, schema)
               ? NULL
               : error_new("3F000", "schema \"%s\" does not exist", schema);
}

static struct error *find_func(const struct catalog_view *v, const char *s, size_t n, uint32_t *ret)
{
    struct parts p;
    bool there;
    TRY(split_name(s, n, false, &p));
    TRY(function_schema(v, &p, &there));
    int found = there ? exec__funcs_named(p.text[p.n - 1], ret) : 0;
    if (found > 1)
        return error_new("42725", "more than one function named \"%.*s\"", (int)MIN(n, 500), s);
    return found ? NULL
                 : error_new(E_UNDEFINED_FUNCTION, "function \"%.*s\" does not exist",
                             (int)MIN(n, 500), s);
}

/* An operator's name, without the schema. */
static const char *operator_name(const char *s, size_t n, struct arena *a)
{
    static const char schema[] = "pg_catalog.";
    size_t skip =
        n >= sizeof(schema) && strncmp(s, schema, sizeof(schema) - 1) == 0 ? sizeof(schema) - 1 : 0;
    return arena_strndup(a, s + skip, n - skip);
}

static struct error *find_operator(const char *s, size_t n, uint32_t *ret)
{
    _cleanup_(arena_done) struct arena a = {0};
    int found = exec__operators_named(operator_name(s, n, &a), ret);
    if (found > 1)
        return error_new("42725", "more than one operator named %.*s", (int)MIN(n, 500), s);
    return found ? NULL
                 : error_new(E_UNDEFINED_FUNCTION, "operator does not exist: %.*s",
                             (int)MIN(n, 500), s);
}

/* The types in parentheses; NONE is 0. */
static struct error *argument_types(const char *s, size_t n, struct arena *a,
                                    uint32_t types[FUNC_MAX_ARGS], int *ret_n)
{
    *ret_n = 0;
    for (size_t i = strspn(s, " "); i < n;) {
        size_t len = 0;
        for (int depth = 0; i + len < n && (s[i + len] != ',' || depth); len++)
            depth += (s[i + len] == '(') - (s[i + len] == ')');
        struct value oid = {.kind = VALUE_INT};
        bool none = len == 4 && strncasecmp(s + i, "none", len) == 0;
        if (!none)
            TRY(type_parse(type_by_oid(OID_REGTYPE), s + i, len, -1, a, &oid));
        if (*ret_n == FUNC_MAX_ARGS)
            return error_new("54023", "too many arguments");
        types[(*ret_n)++] = (uint32_t)oid.i;
        i += len + 1;
        i += i < n ? strspn(s + i, " ") : 0;
    }
    return NULL;
}

/* "lower(text)", "+(int4,int4)" */
static struct error *find_signature(const struct catalog_view *v, const char *s, size_t n,
                                    bool is_operator, uint32_t *ret)
{
    _cleanup_(arena_done) struct arena a = {0};
    uint32_t types[FUNC_MAX_ARGS];
    int n_types;
    bool there = true;
    struct parts p;
    const char *text = arena_strndup(&a, s, n), *open = strchr(text, '(');
    size_t end = strlen(text);
    while (end && text[end - 1] == ' ')
        end--;
    if (!open)
        return error_new("22P02", "expected a left parenthesis");
    if (text[end - 1] != ')')
        return error_new("22P02", "expected a right parenthesis");
    if (is_operator && !strchr(open, ','))
        return error_hint(error_new("42P02", "missing argument"),
                          "Use NONE to denote the missing argument of a unary operator.");
    size_t before = (size_t)(open - text);
    const char *list = arena_strndup(&a, open + 1, end - before - 2);
    TRY(argument_types(list, strlen(list), &a, types, &n_types));
    if (!is_operator) {
        TRY(split_name(text, before, false, &p));
        TRY(function_schema(v, &p, &there));
    }
    const char *name = is_operator ? operator_name(text, before, &a) : p.text[p.n - 1];
    *ret = there ? exec__func_with(name, is_operator, types, n_types) : 0;
    if (*ret)
        return NULL;
    return error_new(E_UNDEFINED_FUNCTION,
                     is_operator ? "operator does not exist: %.*s"
                                 : "function \"%.*s\" does not exist",
                     (int)MIN(n, 500), s);
}

/* Objects for one look: those of the running statement, or for as long as it takes. */
struct look {
    struct exec__objects *objects, *own;
};

static struct look look(void)
{
    struct exec__objects *now = exec__objects_now(attended);
    struct exec__objects *own = now ? NULL : exec__objects_get(attended);
    return (struct look){now ? now : own, own};
}

static void look_done(struct look *l)
{
    exec__objects_put(attended->exec, l->own);
}

static struct error *find_in_schema(uint32_t reg, const struct exec__objects *o, const char *s,
                                    size_t n, uint32_t *ret)
{
    const struct catalog_view *v = exec__objects_view(o);
    switch (reg) {
    case OID_REGCLASS:
        return find_class(o, s, n, ret);
    case OID_REGTYPE:
        return find_type(o, s, n, ret);
    case OID_REGNAMESPACE:
        return find_namespace(v, s, n, ret);
    case OID_REGPROC:
        return find_func(v, s, n, ret);
    default:
        return find_signature(v, s, n, reg == OID_REGOPERATOR, ret);
    }
}

static struct error *find(uint32_t reg, const char *s, size_t n, uint32_t *ret)
{
    if (reg == OID_REGROLE)
        return find_role(s, n, ret);
    if (reg == OID_REGOPER)
        return find_operator(s, n, ret);
    bool known = reg == OID_REGCLASS || reg == OID_REGNAMESPACE || reg == OID_REGTYPE ||
                 reg == OID_REGPROC || reg == OID_REGPROCEDURE || reg == OID_REGOPERATOR;
    if (!known || !attended)
        return error_hint(error_new(E_UNSUPPORTED, "names of this kind cannot be looked up"),
                          "Select the oid from the catalog.");
    struct look l = look();
    struct error *e = find_in_schema(reg, l.objects, s, n, ret);
    look_done(&l);
    return e;
}

/* ---- printing ------------------------------------------------------------------------------- */

static bool print_class(const struct exec__objects *all, uint32_t oid, struct buf *out)
{
    const struct exec__object *x = exec__object(all, oid);
    if (!x || !exec__is_relation(x))
        return false;
    exec__print_relation(attended, all, x->table->schema, exec__object_name(x), false, out);
    return true;
}

static bool print_type(const struct exec__objects *all, uint32_t oid, struct buf *out)
{
    bool array;
    const struct object *o = exec__type_by_oid(exec__objects_view(all), oid, &array);
    if (!o)
        return false;
    if (!exec__is_type_visible(attended, all, o)) {
        sql_quote_identifier(o->schema, out);
        buf_puts(out, ".");
    }
    sql_quote_identifier(o->name, out);
    buf_puts(out, array ? "[]" : "");
    return true;
}

static bool print_namespace(const struct exec__objects *all, uint32_t oid, struct buf *out)
{
    const char *schema = exec__namespace_name(exec__objects_view(all), oid);
    if (schema)
        sql_quote_identifier(schema, out);
    return schema;
}

static bool print_looked_up(uint32_t reg, uint32_t oid, struct buf *out)
{
    struct look l = look();
    bool known = reg == OID_REGCLASS  ? print_class(l.objects, oid, out)
                 : reg == OID_REGTYPE ? print_type(l.objects, oid, out)
                                      : print_namespace(l.objects, oid, out);
    look_done(&l);
    return known;
}

static bool print(uint32_t reg, uint32_t oid, struct buf *out)
{
    if (!attended)
        return false;
    if (reg == OID_REGCLASS || reg == OID_REGNAMESPACE || reg == OID_REGTYPE)
        return print_looked_up(reg, oid, out);
    if (reg == OID_REGPROCEDURE)
        return exec__print_procedure(oid, out);
    if (reg == OID_REGOPER || reg == OID_REGOPERATOR)
        return exec__print_operator(oid, reg == OID_REGOPERATOR, out);
    const char *name = reg == OID_REGROLE && oid == EXEC__OWNER          ? attended->user
                       : reg == OID_REGROLE && oid == EXEC__PUBLIC_OWNER ? "pg_database_owner"
                       : reg == OID_REGPROC                              ? exec__func_name(oid)
                                                                         : NULL;
    if (name)
        sql_quote_identifier(name, out);
    return name != NULL;
}

const struct type_names exec__type_names = {.find = find, .print = print};
