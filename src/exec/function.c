/*
 * System functions: what format_type(), pg_get_indexdef(), has_table_privilege(),
 * current_setting() and the like do. types/ has their rows; SQLite calls them on the thread that
 * runs the statement, where the session that the thread attends tells who asks.
 *
 * Whoever is connected owns everything: a privilege is had when the object is there.
 */
#include "exec/system.h"

#include <math.h>
#include <strings.h>

#define FUNCTION(name)                                                                             \
    static struct error *name(const struct value *v, int n, struct arena *a, struct value *ret)

/* ---- values and context --------------------------------------------------------------------- */

static struct error *no_session(void)
{
    return error_new(E_UNSUPPORTED, "this function needs a session");
}

static struct value int_value(int64_t i)
{
    return (struct value){.kind = VALUE_INT, .i = i};
}

static struct value text_value(const char *s, struct arena *a)
{
    size_t n = strlen(s);
    return (struct value){.kind = VALUE_TEXT, .s = {arena_strndup(a, s, n), n}};
}

static const struct value null_value = {.kind = VALUE_NULL};

static struct value buf_value(const struct buf *b, struct arena *a)
{
    return (struct value){.kind = VALUE_TEXT,
                          .s = {arena_strndup(a, b->data ? b->data : "", b->len), b->len}};
}

static const char *text_of(const struct value *v, struct arena *a)
{
    return arena_strndup(a, v->s.p, v->s.n);
}

/* The catalog as this statement sees it; NULL without a session. */
static struct exec__objects *objects(void)
{
    return exec__objects_now(exec__attended());
}

/* NULL: no such object */
static const struct exec__object *object(const struct value *oid)
{
    struct exec__objects *all = objects();
    return all ? exec__object(all, (uint32_t)oid->i) : NULL;
}

static bool is_relation(const struct exec__object *o)
{
    return o && exec__is_relation(o);
}

/* A relation by oid, or by name: 42P01. *ret NULL: no such oid. */
static struct error *relation(const struct value *v, struct arena *a,
                              const struct exec__object **ret)
{
    struct value oid = *v;
    if (v->kind == VALUE_TEXT)
        TRY(type_parse(type_by_oid(OID_REGCLASS), v->s.p, v->s.n, -1, a, &oid));
    *ret = object(&oid);
    if (!is_relation(*ret))
        *ret = NULL;
    return NULL;
}

/* ---- types and definitions ------------------------------------------------------------------ */

FUNCTION(format_type)
{
    *ret = null_value;
    if (v[0].kind == VALUE_NULL)
        return NULL;
    const struct type *t = type_by_oid((uint32_t)v[0].i);
    int32_t typmod = v[1].kind == VALUE_NULL ? -1 : (int32_t)v[1].i;
    uint32_t base = t && t->category == 'A' ? t->element : t ? t->oid : 0;
    if (base == OID_INTERVAL && typmod >= 0 && !type_interval_fields(typmod))
        return error_new(E_INTERNAL, "invalid INTERVAL typmod: 0x%x", (unsigned)typmod);
    if (v[0].i == 0)
        *ret = text_value("-", a);
    else if (!t)
        *ret = text_value("???", a);
    else if (t->oid == OID_BPCHAR && v[1].kind == VALUE_NULL)
        *ret = text_value("character", a);
    else
        *ret = text_value(type_label(t->oid, typmod, a), a);
    return NULL;
}

FUNCTION(index_definition)
{
    _cleanup_(buf_done) struct buf b = {0};
    const struct exec__object *o = object(&v[0]);
    *ret = null_value;
    if (!o || o->kind != OBJECT_INDEX)
        return NULL;
    struct exec__index x;
    exec__index(o->table, o->part, &x);
    if (n == 3 && v[1].i != 0)
        exec__define_index_column(exec__objects_view(objects()), o, (int)v[1].i, v[2].i, &b);
    else
        exec__define_index(exec__attended(), objects(), o->table, &x, n == 3 && v[2].i, &b);
    *ret = buf_value(&b, a);
    return NULL;
}

FUNCTION(constraint_definition)
{
    _cleanup_(buf_done) struct buf b = {0};
    const struct exec__object *o = object(&v[0]);
    *ret = null_value;
    if (!o)
        return NULL;
    if (exec__define_constraint(exec__attended(), objects(), o, n == 2 && v[1].i, &b))
        *ret = buf_value(&b, a);
    return NULL;
}

/* What pg_attrdef and pg_constraint show is printed already; only pretty printing differs. */
FUNCTION(expression)
{
    const struct exec__object *o = object(&v[1]);
    *ret = v[0];
    if (n == 2 || !v[2].i)
        return NULL;
    _cleanup_(buf_done) struct buf b = {0};
    struct exec__objects *all = objects();
    if (!all)
        return NULL;
    sql_deparse(exec__objects_view(all), o ? o->table : NULL, text_of(&v[0], a), NULL, true, &b);
    *ret = buf_value(&b, a);
    return NULL;
}

FUNCTION(function_arguments)
{
    _cleanup_(buf_done) struct buf b = {0};
    const struct func *f = exec__func_by_oid((uint32_t)v[0].i);
    *ret = null_value;
    if (!f)
        return NULL;
    if (f->variadic)
        exec__print_arguments(f->args, f->nargs - 1, ", ", &b);
    else
        exec__print_arguments(f->args, f->nargs, ", ", &b);
    if (f->variadic)
        buf_printf(&b, "%sVARIADIC %s", f->nargs > 1 ? ", " : "",
                   type_label(f->args[f->nargs - 1], -1, a));
    for (int i = 0; f->set && f->set->columns && i < f->set->n_columns; i++)
        buf_printf(&b, "%sOUT %s %s", b.len ? ", " : "", f->set->columns[i].name,
                   type_label(f->set->columns[i].type, -1, a));
    *ret = buf_value(&b, a);
    return NULL;
}

FUNCTION(function_result)
{
    const struct func *f = exec__func_by_oid((uint32_t)v[0].i);
    *ret = null_value;
    if (f)
        *ret = text_value(arena_printf(a, "%s%s", f->kind == FUNC_SET ? "SETOF " : "",
                                       type_label(f->result, -1, a)),
                          a);
    return NULL;
}

/* As what PostgreSQL calls internal: none is written in any language. */
FUNCTION(function_definition)
{
    struct value arguments, result;
    const struct func *f = exec__func_by_oid((uint32_t)v[0].i);
    *ret = null_value;
    if (!f || f->kind == FUNC_OPERATOR)
        return NULL;
    if (f->kind == FUNC_AGGREGATE || f->kind == FUNC_ORDERED)
        return error_new("42809", "\"%s\" is an aggregate function", f->name);
    TRY(function_arguments(v, 1, a, &arguments));
    TRY(function_result(v, 1, a, &result));
    const char *text = arena_printf(
        a,
        "CREATE OR REPLACE FUNCTION pg_catalog.%s(%.*s)\n RETURNS %.*s\n LANGUAGE internal\n%s%s "
        "PARALLEL SAFE%s\nAS $function$%s$function$\n",
        f->name, (int)arguments.s.n, arguments.s.p, (int)result.s.n, result.s.p,
        f->kind == FUNC_WINDOW ? " WINDOW" : "",
        f->volatile_             ? ""
        : f->stable || f->system ? " STABLE"
                                 : " IMMUTABLE",
        f->strict ? " STRICT" : "", f->name);
    *ret = text_value(text, a);
    return NULL;
}

/* ---- names ---------------------------------------------------------------------------------- */

FUNCTION(user_by_id)
{
    struct exec_session *s = exec__attended();
    const char *name = v[0].i == EXEC__OWNER && s     ? s->user
                       : v[0].i == EXEC__PUBLIC_OWNER ? "pg_database_owner"
                                                      : NULL;
    *ret = text_value(name ? name : arena_printf(a, "unknown (OID=%lld)", (long long)v[0].i), a);
    return NULL;
}

FUNCTION(table_is_visible)
{
    const struct exec__object *o = object(&v[0]);
    *ret = null_value;
    if (is_relation(o))
        *ret = int_value(
            exec__is_visible(exec__attended(), objects(), o->table->schema, exec__object_name(o)));
    return NULL;
}

FUNCTION(type_is_visible)
{
    struct exec__objects *all = objects();
    bool array;
    const struct object *own =
        all ? exec__type_by_oid(exec__objects_view(all), (uint32_t)v[0].i, &array) : NULL;
    *ret = null_value;
    if (own)
        *ret = int_value(exec__is_type_visible(exec__attended(), all, own));
    else if (v[0].i < FIRST_USER_OID && type_by_oid((uint32_t)v[0].i))
        *ret = int_value(true);
    return NULL;
}

/* to_regclass() and its like: NULL where the cast would find nothing, or several. What can be no
 * name fails in them, too, and so do the arguments' types. */
static struct error *name_to_oid(uint32_t reg, const struct value *v, struct arena *a,
                                 struct value *ret)
{
    static const char *const missing[] = {E_UNDEFINED_TABLE, E_UNDEFINED_FUNCTION, "42725", "3F000",
                                          E_UNDEFINED_OBJECT};
    bool has_types = reg == OID_REGPROCEDURE || reg == OID_REGOPERATOR;
    struct error *e = type_parse(type_by_oid(reg), v->s.p, v->s.n, -1, a, ret);
    if (!e)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
        if (!error_is(e, missing[i]) || (has_types && error_is(e, E_UNDEFINED_OBJECT)))
            continue;
        *ret = null_value;
        error_free(e);
        return NULL;
    }
    return e;
}

FUNCTION(to_regclass)
{
    return name_to_oid(OID_REGCLASS, v, a, ret);
}

FUNCTION(to_regtype)
{
    return name_to_oid(OID_REGTYPE, v, a, ret);
}

FUNCTION(to_regnamespace)
{
    return name_to_oid(OID_REGNAMESPACE, v, a, ret);
}

FUNCTION(to_regrole)
{
    return name_to_oid(OID_REGROLE, v, a, ret);
}

FUNCTION(to_regproc)
{
    return name_to_oid(OID_REGPROC, v, a, ret);
}

/* Of a view by its oid, or by its name. */
FUNCTION(view_definition)
{
    _cleanup_(buf_done) struct buf b = {0};
    const struct exec__object *o = NULL;
    if (v[0].kind == VALUE_TEXT)
        TRY(relation(&v[0], a, &o));
    else
        o = object(&v[0]);
    *ret = null_value;
    if (!o || (o->kind != OBJECT_VIEW && (o->kind != OBJECT_TABLE || !o->table->query)))
        return NULL;
    exec__define_view(exec__query_of(exec__objects_view(objects()), o->table), &b);
    *ret = buf_value(&b, a);
    return NULL;
}

FUNCTION(to_regprocedure)
{
    return name_to_oid(OID_REGPROCEDURE, v, a, ret);
}

FUNCTION(to_regoper)
{
    return name_to_oid(OID_REGOPER, v, a, ret);
}

FUNCTION(to_regoperator)
{
    return name_to_oid(OID_REGOPERATOR, v, a, ret);
}

FUNCTION(serial_sequence)
{
    const struct exec__object *o;
    TRY(relation(&v[0], a, &o));
    const char *column = text_of(&v[1], a);
    int at = o ? table_column(o->table, column) : -1;
    if (o && at < 0)
        return error_new(E_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist",
                         column, o->table->name);
    *ret = null_value;
    for (int i = 0; o && i < o->table->n_owned; i++) {
        if (o->table->owned[i].column != at)
            continue;
        const struct catalog_view *view = exec__objects_view(objects());
        const struct sequence *s = catalog_sequence_by_id(view, o->table->owned[i].sequence);
        if (s)
            *ret = text_value(sql_relation_text(s->schema, s->name, a), a);
        break;
    }
    return NULL;
}

/* into the text of a name[] */
static void put_item(const char *name, struct buf *out)
{
    bool plain = strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(name) &&
                 strcmp(name, "null") != 0;
    buf_puts(out, out->len > 1 ? "," : "");
    buf_puts(out, plain ? "" : "\"");
    for (const char *p = name; *p; p++)
        buf_printf(out, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
    buf_puts(out, plain ? "" : "\"");
}

FUNCTION(current_schemas)
{
    _cleanup_(buf_done) struct buf b = {0};
    struct exec__objects *all = objects();
    const char **path;
    if (!all)
        return no_session();
    int len = exec__search_path(exec__attended(), exec__objects_view(all), a, &path);
    buf_puts(&b, "{");
    for (int i = 0; i < len; i++) {
        bool implicit = i == 0 && strcmp(path[i], "pg_catalog") == 0;
        if (v[0].i || !implicit)
            put_item(path[i], &b);
    }
    buf_puts(&b, "}");
    *ret = buf_value(&b, a);
    return NULL;
}

/* ---- sizes ---------------------------------------------------------------------------------- */

static int64_t bytes_of(const struct table *t)
{
    int64_t rows = 0, bytes = 0;
    if (t->id && t->region)
        exec__ask_size(exec__attended()->exec, t, &rows, &bytes);
    return MAX(bytes, (int64_t)0);
}

FUNCTION(relation_size)
{
    const struct exec__object *o = object(&v[0]);
    *ret = null_value;
    if (is_relation(o)) /* an index lies in its table's file and is counted there */
        *ret = int_value(o->kind == OBJECT_TABLE ? bytes_of(o->table) : 0);
    return NULL;
}

FUNCTION(indexes_size)
{
    *ret = is_relation(object(&v[0])) ? int_value(0) : null_value;
    return NULL;
}

FUNCTION(database_size)
{
    int64_t sum = 0;
    struct exec__objects *all = objects();
    if (!all)
        return no_session();
    const struct catalog_view *view = exec__objects_view(all);
    for (size_t i = 0; i < view->n_tables; i++)
        sum += bytes_of(view->tables[i]);
    *ret = int_value(sum);
    return NULL;
}

/* Everything lies in pg_default. */
FUNCTION(tablespace_size)
{
    enum { PG_DEFAULT = 1663, PG_GLOBAL = 1664 };
    bool named = v[0].kind == VALUE_TEXT;
    const char *name = named ? text_of(&v[0], a) : "";
    bool usual = named ? strcmp(name, "pg_default") == 0 : v[0].i == PG_DEFAULT;
    bool global = named ? strcmp(name, "pg_global") == 0 : v[0].i == PG_GLOBAL;
    *ret = global ? int_value(0) : null_value;
    if (named && !usual && !global)
        return error_new(E_UNDEFINED_OBJECT, "tablespace \"%s\" does not exist", name);
    return usual ? database_size(v, n, a, ret) : NULL;
}

/* In the largest unit in which it has at least two digits, rounded. */
static struct value pretty_size(__int128 size, struct arena *a)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    enum { STEP = 1024, LIMIT = 10 * STEP };
    __int128 rounded = size;
    size_t unit = 0;
    for (__int128 whole = 1;
         unit + 1 < ARRAY_LEN(units) && (rounded < 0 ? -rounded : rounded) >= LIMIT; unit++) {
        whole *= STEP;
        __int128 halves = size / (whole / 2);
        rounded = (halves + (halves < 0 ? -1 : 1)) / 2;
    }
    return text_value(arena_printf(a, "%lld %s", (long long)rounded, units[unit]), a);
}

FUNCTION(size_pretty)
{
    *ret = pretty_size(v[0].i, a);
    return NULL;
}

/* Divides the number that the digits are; leading zeros go. */
static char *divide_digits(char *digits, uint64_t by)
{
    uint64_t rest = 0;
    for (char *p = digits; *p; p++) {
        rest = rest * 10 + (uint64_t)(*p - '0');
        *p = (char)('0' + rest / by);
        rest %= by;
    }
    return digits + strspn(digits, "0");
}

/* Of more digits than a whole number has: in the largest unit, rounded. */
static struct value pretty_large_size(const char *sign, char *digits, struct arena *a)
{
    enum { HALF_BITS = 49 };
    char *halves = divide_digits(digits, 1ULL << HALF_BITS), *p = halves + strlen(halves) - 1;
    while (*p == '9' && p > digits)
        *p-- = '0'; /* "halves" has a zero before it: the division made it shorter */
    *p += 1;
    return text_value(arena_printf(a, "%s%s PB", sign, divide_digits(p < halves ? p : halves, 2)),
                      a);
}

/* Of a numeric: as it is while it is small, else without what is behind the point. */
FUNCTION(size_pretty_numeric)
{
    enum { MAX_DIGITS = 27, LIMIT = 10 * 1024 };
    const char *text = text_of(&v[0], a), *p = text + (*text == '-');
    __int128 size = 0;
    size_t digits = strspn(p, "0123456789");
    if (!digits || digits > MAX_DIGITS) {
        *ret = digits ? pretty_large_size(*text == '-' ? "-" : "", arena_strndup(a, p, digits), a)
                      : text_value(arena_printf(a, "%s PB", text), a); /* infinite, NaN */
        return NULL;
    }
    for (size_t i = 0; i < digits; i++)
        size = size * 10 + (p[i] - '0');
    if (size < LIMIT)
        *ret = text_value(arena_printf(a, "%s bytes", text), a);
    else
        *ret = pretty_size(*text == '-' ? -size : size, a);
    return NULL;
}

/* ---- descriptions ---------------------------------------------------------------------------- */

/* PostgreSQL looks for those on databases with shobj_description() only. */
FUNCTION(object_description)
{
    struct exec__objects *all = objects();
    uint32_t class = n > 1 ? exec__class_oid(text_of(&v[1], a)) : 0;
    bool shared = class == exec__class_oid("pg_database");
    const char *text =
        all && !shared && (class || n == 1) ? exec__comment(all, (uint32_t)v[0].i, class) : NULL;
    *ret = text && *text ? text_value(text, a) : null_value;
    return NULL;
}

FUNCTION(shared_description)
{
    struct exec__objects *all = objects();
    uint32_t class = exec__class_oid("pg_database");
    bool there = all && strcmp(text_of(&v[1], a), "pg_database") == 0;
    const char *text = there ? exec__comment(all, (uint32_t)v[0].i, class) : NULL;
    *ret = text && *text ? text_value(text, a) : null_value;
    return NULL;
}

FUNCTION(column_description)
{
    struct exec__objects *all = objects();
    const char *text = all ? exec__column_comment(all, (uint32_t)v[0].i, v[1].i) : NULL;
    *ret = text ? text_value(text, a) : null_value;
    return NULL;
}

/* ---- privileges ------------------------------------------------------------------------------ */

static struct error *check_privilege(const struct value *v, const char *known, struct arena *a)
{
    const char *text = text_of(v, a);
    for (const char *p = text; *p;) {
        p += strspn(p, " ,");
        size_t len = strcspn(p, ",");
        size_t word = len;
        while (word && p[word - 1] == ' ')
            word--;
        static const char option[] = " WITH GRANT OPTION";
        size_t tail = sizeof(option) - 1;
        size_t base =
            word > tail && strncasecmp(p + word - tail, option, tail) == 0 ? word - tail : word;
        bool found = false;
        for (const char *k = known; *k; k += strcspn(k, "|"), k += *k == '|')
            found |= strcspn(k, "|") == base && strncasecmp(k, p, base) == 0;
        if (!found)
            return error_new("22023", "unrecognized privilege type: \"%.*s\"", (int)word, p);
        p += len;
    }
    return NULL;
}

FUNCTION(relation_privilege)
{
    const struct exec__object *o;
    TRY(check_privilege(&v[n - 1],
                        "SELECT|INSERT|UPDATE|DELETE|TRUNCATE|REFERENCES|TRIGGER|USAGE|RULE", a));
    TRY(relation(&v[n - 2], a, &o));
    *ret = o ? int_value(true) : null_value;
    return NULL;
}

FUNCTION(schema_privilege)
{
    TRY(check_privilege(&v[n - 1], "CREATE|USAGE", a));
    struct value oid = v[n - 2];
    if (oid.kind == VALUE_TEXT)
        TRY(type_parse(type_by_oid(OID_REGNAMESPACE), oid.s.p, oid.s.n, -1, a, &oid));
    struct exec__objects *all = objects();
    bool known = all && exec__namespace_name(exec__objects_view(all), (uint32_t)oid.i);
    *ret = known ? int_value(true) : null_value;
    return NULL;
}

FUNCTION(column_privilege)
{
    const struct exec__object *o;
    TRY(check_privilege(&v[2], "SELECT|INSERT|UPDATE|REFERENCES", a));
    TRY(relation(&v[0], a, &o));
    *ret = null_value;
    if (!o)
        return NULL;
    bool named = v[1].kind == VALUE_TEXT;
    const char *column = named ? text_of(&v[1], a) : NULL;
    if (named && table_column(o->table, column) < 0)
        return error_new(E_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist",
                         column, o->table->name);
    if (named ||
        (v[1].i >= 1 && v[1].i <= o->table->n_columns && !o->table->columns[v[1].i - 1].dropped))
        *ret = int_value(true);
    return NULL;
}

FUNCTION(any_privilege)
{
    *ret = int_value(true);
    return NULL;
}

/* What an owner and all others may do with an object of a kind before anything is granted. */
FUNCTION(acl_default)
{
    static const struct {
        char kind;
        const char *owner, *everybody;
    } kinds[] = {{'c', NULL, NULL}, {'r', "arwdDxt", NULL}, {'s', "rwU", NULL}, {'d', "CTc", "Tc"},
                 {'f', "X", "X"},   {'l', "U", "U"},        {'L', "rw", NULL},  {'n', "UC", NULL},
                 {'p', "sA", NULL}, {'t', "C", NULL},       {'F', "U", NULL},   {'S', "U", NULL},
                 {'T', "U", "U"}};
    struct exec_session *s = exec__attended();
    const char *owner = v[1].i == EXEC__PUBLIC_OWNER ? "pg_database_owner" : s ? s->user : "";
    char kind = v[0].s.n ? *v[0].s.p : 0;
    for (size_t i = 0; s && i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].kind != kind)
            continue;
        _cleanup_(buf_done) struct buf item = {0}, b = {0};
        buf_puts(&b, "{");
        if (kinds[i].everybody)
            buf_printf(&b, "=%s/%s", kinds[i].everybody, owner);
        if (kinds[i].owner) {
            buf_printf(&item, "%s=%s/%s", owner, kinds[i].owner, owner);
            buf_printf(&b, "%s%s", b.len > 1 ? "," : "", item.data);
        }
        buf_puts(&b, "}");
        *ret = buf_value(&b, a);
        return NULL;
    }
    return error_new("22023", "unrecognized object type abbreviation: %c", kind ? kind : '?');
}

FUNCTION(table_is_ours)
{
    const struct exec__object *o = object(&v[0]);
    *ret = int_value(o && o->kind == OBJECT_TABLE && o->table->id != 0);
    return NULL;
}

FUNCTION(is_updatable)
{
    enum { UPDATE = 1 << 2, INSERT = 1 << 3, DELETE = 1 << 4 };
    const struct exec__object *o = object(&v[0]);
    bool ours = o && o->kind == OBJECT_TABLE && o->table->id != 0 && !o->table->query;
    struct sql_updatable u = {.updates = ours, .deletes = ours};
    const struct object *view =
        o && o->kind == OBJECT_VIEW ? exec__view_of(exec__objects_view(objects()), o->table) : NULL;
    if (view)
        sql_view_updatable(exec__objects_view(objects()), view, a, &u);
    *ret = int_value((u.updates ? UPDATE | INSERT : 0) | (u.deletes ? DELETE : 0));
    return NULL;
}

/* ---- the session and the server ---------------------------------------------------------------
 */

FUNCTION(current_setting)
{
    struct exec_session *s;
    _cleanup_(mem_freep) char *value = NULL;
    TRY(exec__client(&s));
    if (!s->io.show)
        return no_session();
    struct error *e = s->io.show(s->io.ctx, text_of(&v[0], a), &value);
    if (error_is(e, E_UNDEFINED_OBJECT) && n == 2 && v[1].i) {
        error_free(e);
        *ret = null_value;
        return NULL;
    }
    TRY(e);
    *ret = text_value(value, a);
    return NULL;
}

FUNCTION(set_config)
{
    struct exec_session *s;
    _cleanup_(mem_freep) char *value = NULL;
    TRY(exec__client(&s));
    if (!s->io.set)
        return no_session();
    if (v[0].kind == VALUE_NULL)
        return error_new("22004", "SET requires parameter name");
    const char *name = text_of(&v[0], a);
    TRY(s->io.set(s->io.ctx, name, v[1].kind == VALUE_NULL ? NULL : text_of(&v[1], a),
                  v[2].kind != VALUE_NULL && v[2].i));
    TRY(s->io.show(s->io.ctx, name, &value));
    *ret = text_value(value, a);
    return NULL;
}

FUNCTION(sleep_for)
{
    enum { STEP_MS = 20 };
    struct exec_session *s = exec__attended();
    static const struct exec__wait sleeping = {"Timeout", "PgSleep"};
    uint64_t end = clock_ms() + (uint64_t)(MIN(MAX(v[0].r, 0.0), 1e9) * 1000);
    bool canceled = false;
    exec__waits(s, &sleeping);
    for (uint64_t now = clock_ms(); now < end && !canceled; now = clock_ms()) {
        sleep_ms((unsigned)MIN(end - now, (uint64_t)STEP_MS));
        canceled = s && atomic_load_explicit(&s->cancel, memory_order_relaxed);
    }
    exec__waits(s, NULL);
    if (canceled)
        return exec__canceled();
    *ret = text_value("", a);
    return NULL;
}

FUNCTION(start_time)
{
    struct exec_session *s = exec__attended();
    if (!s)
        return no_session();
    *ret = int_value(s->exec->started);
    return NULL;
}

FUNCTION(encoding_to_char)
{
    const struct encoding *e = encoding_by_number(v[0].i);
    *ret = text_value(e ? encoding_name(e) : "", a);
    return NULL;
}

FUNCTION(char_to_encoding)
{
    const struct encoding *e = encoding_find(v[0].s.p, v[0].s.n);
    *ret = int_value(e ? encoding_number(e) : -1);
    return NULL;
}

FUNCTION(client_encoding)
{
    struct exec_session *s = exec__attended();
    char *name = NULL;
    if (!s || !s->io.show)
        return no_session();
    TRY(s->io.show(s->io.ctx, "client_encoding", &name));
    *ret = text_value(name, a);
    mem_free(name);
    return NULL;
}

FUNCTION(encoding)
{
    *ret = text_value("UTF8", a);
    return NULL;
}

FUNCTION(always)
{
    *ret = int_value(true);
    return NULL;
}

FUNCTION(never)
{
    *ret = int_value(false);
    return NULL;
}

FUNCTION(empty)
{
    *ret = text_value("", a);
    return NULL;
}

/* There is nothing of the kind. */
FUNCTION(nothing)
{
    *ret = null_value;
    return NULL;
}

types_system_fn *const exec__system_functions[SYSTEM_FUNCS] = {
    [SYSTEM_FORMAT_TYPE] = format_type,
    [SYSTEM_INDEXDEF] = index_definition,
    [SYSTEM_CONSTRAINTDEF] = constraint_definition,
    [SYSTEM_EXPR] = expression,
    [SYSTEM_VIEWDEF] = view_definition,
    [SYSTEM_FUNCTION_ARGUMENTS] = function_arguments,
    [SYSTEM_FUNCTION_RESULT] = function_result,
    [SYSTEM_USERBYID] = user_by_id,
    [SYSTEM_TABLE_IS_VISIBLE] = table_is_visible,
    [SYSTEM_TYPE_IS_VISIBLE] = type_is_visible,
    [SYSTEM_OBJ_DESCRIPTION] = object_description,
    [SYSTEM_COL_DESCRIPTION] = column_description,
    [SYSTEM_SHOBJ_DESCRIPTION] = shared_description,
    [SYSTEM_RELATION_SIZE] = relation_size,
    [SYSTEM_INDEXES_SIZE] = indexes_size,
    [SYSTEM_DATABASE_SIZE] = database_size,
    [SYSTEM_SIZE_PRETTY] = size_pretty,
    [SYSTEM_SIZE_PRETTY_NUMERIC] = size_pretty_numeric,
    [SYSTEM_TABLESPACE_SIZE] = tablespace_size,
    [SYSTEM_ENCODING_TO_CHAR] = encoding_to_char,
    [SYSTEM_CHAR_TO_ENCODING] = char_to_encoding,
    [SYSTEM_ENCODING] = encoding,
    [SYSTEM_TABLE_IS_OURS] = table_is_ours,
    [SYSTEM_IS_UPDATABLE] = is_updatable,
    [SYSTEM_START_TIME] = start_time,
    [SYSTEM_CURRENT_SETTING] = current_setting,
    [SYSTEM_SET_CONFIG] = set_config,
    [SYSTEM_SLEEP] = sleep_for,
    [SYSTEM_SERIAL_SEQUENCE] = serial_sequence,
    [SYSTEM_TO_REGCLASS] = to_regclass,
    [SYSTEM_TO_REGTYPE] = to_regtype,
    [SYSTEM_TO_REGNAMESPACE] = to_regnamespace,
    [SYSTEM_TO_REGROLE] = to_regrole,
    [SYSTEM_TO_REGPROC] = to_regproc,
    [SYSTEM_RELATION_PRIVILEGE] = relation_privilege,
    [SYSTEM_SCHEMA_PRIVILEGE] = schema_privilege,
    [SYSTEM_COLUMN_PRIVILEGE] = column_privilege,
    [SYSTEM_ANY_PRIVILEGE] = any_privilege,
    [SYSTEM_CURRENT_SCHEMAS] = current_schemas,
    [SYSTEM_ACLDEFAULT] = acl_default,
    [SYSTEM_ADVISORY_LOCK] = exec__lock_,
    [SYSTEM_ADVISORY_LOCK_SHARED] = exec__lock_shared,
    [SYSTEM_ADVISORY_XACT] = exec__lock_xact,
    [SYSTEM_ADVISORY_XACT_SHARED] = exec__lock_xact_shared,
    [SYSTEM_ADVISORY_TRY] = exec__try_lock,
    [SYSTEM_ADVISORY_TRY_SHARED] = exec__try_lock_shared,
    [SYSTEM_ADVISORY_TRY_XACT] = exec__try_lock_xact,
    [SYSTEM_ADVISORY_TRY_XACT_SHARED] = exec__try_lock_xact_shared,
    [SYSTEM_ADVISORY_UNLOCK] = exec__unlock_,
    [SYSTEM_ADVISORY_UNLOCK_SHARED] = exec__unlock_shared,
    [SYSTEM_ADVISORY_UNLOCK_ALL] = exec__unlock_all,
    [SYSTEM_CANCEL_BACKEND] = exec__cancel_backend,
    [SYSTEM_TERMINATE_BACKEND] = exec__terminate_backend,
    [SYSTEM_TRANSACTION_NUMBER] = exec__transaction_number,
    [SYSTEM_TRANSACTION_NUMBER_IF_ANY] = exec__transaction_number_if_any,
    [SYSTEM_XID_AGE] = exec__xid_age,
    [SYSTEM_BLOCKING_PIDS] = exec__blocking_pids,
    [SYSTEM_EMPTY_ARRAY] = exec__empty_array,
    [SYSTEM_DESCRIBE_OBJECT] = exec__describe_object,
    [SYSTEM_FILE_NODE] = exec__file_node,
    [SYSTEM_MY_TEMP_SCHEMA] = exec__my_temp_schema,
    [SYSTEM_METHOD_PROPERTY] = exec__method_property,
    [SYSTEM_INDEX_PROPERTY] = exec__index_property,
    [SYSTEM_INDEX_COLUMN_PROPERTY] = exec__index_column_property,
    [SYSTEM_CLIENT_ENCODING] = client_encoding,
    [SYSTEM_CURRENT_QUERY] = exec__current_query,
    [SYSTEM_CLIENT_ADDRESS] = exec__client_address,
    [SYSTEM_CLIENT_PORT] = exec__client_port,
    [SYSTEM_SERVER_ADDRESS] = exec__server_address,
    [SYSTEM_SERVER_PORT] = exec__server_port,
    [SYSTEM_NOT_IN_RECOVERY] = exec__not_in_recovery,
    [SYSTEM_ENCODING_LENGTH] = exec__encoding_length,
    [SYSTEM_LIVE_ROWS] = exec__live_rows,
    [SYSTEM_ZERO] = exec__zero,
    [SYSTEM_ZERO_REAL] = exec__zero_real,
    [SYSTEM_SIZE_BYTES] = exec__size_bytes,
    [SYSTEM_FUNCTION_DEFINITION] = function_definition,
    [SYSTEM_TO_REGPROCEDURE] = to_regprocedure,
    [SYSTEM_TO_REGOPER] = to_regoper,
    [SYSTEM_TO_REGOPERATOR] = to_regoperator,
    [SYSTEM_ALWAYS] = always,
    [SYSTEM_NEVER] = never,
    [SYSTEM_EMPTY] = empty,
    [SYSTEM_NOTHING] = nothing,
};
