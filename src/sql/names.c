/*
 * What names of relations mean: databases, schemas, the search path.
 *
 * A name without a schema is looked up in one schema of the path after the other; pg_catalog comes
 * first unless the path says where. Schemas in the path that do not exist are passed over; the
 * first one that does is where CREATE puts things.
 *
 * All of a session that this hangs on is one line of text (sql_names): part of the key of cached
 * statements, and sent along when another server is to analyse the same statement.
 */
#include "sql_int.h"

#include <ctype.h>

#define DEFAULT_PATH "\"$user\", public"

/* ---- the line of text ---------------------------------------------------------------------- */

static void put_word(struct buf *b, const char *word)
{
    for (; *word; word++) {
        if (*word == '%' || *word <= ' ' || *word == '\x7f')
            buf_printf(b, "%%%02X", (unsigned char)*word);
        else
            buf_append(b, word, 1);
    }
}

char *sql_names(const char *database, const char *user, const char *search_path,
                const struct style *style, const char *temporary)
{
    _cleanup_(arena_done) struct arena a = {0};
    const char *word = style_word(style, &a);
    struct buf b = {0};
    put_word(&b, database);
    buf_puts(&b, " ");
    put_word(&b, strstr(search_path, "$user") ? user : "");
    buf_puts(&b, " ");
    put_word(&b, search_path);
    if (style->zone || temporary || *word) {
        buf_puts(&b, " ");
        put_word(&b, style->zone ? zone_name(style->zone) : "");
    }
    if (temporary || *word) {
        buf_puts(&b, " ");
        put_word(&b, temporary ? temporary : "");
    }
    if (*word) {
        buf_puts(&b, " ");
        put_word(&b, word);
    }
    return b.data;
}

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

static const char *take_word(const char **p, struct arena *arena)
{
    size_t n = strcspn(*p, " ");
    char *word = arena_strndup(arena, *p, n), *to = word;
    for (const char *from = word; *from; from++) {
        if (from[0] == '%' && isxdigit((unsigned char)from[1]) &&
            isxdigit((unsigned char)from[2])) {
            *to++ = (char)(hex(from[1]) * 16 + hex(from[2]));
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = 0;
    *p += n + ((*p)[n] == ' ');
    return word;
}

const char *sql_names_database(const char *names, struct arena *arena)
{
    return names ? take_word(&names, arena) : CATALOG_FIRST_DATABASE;
}

struct style sql__style(const struct sql_context *ctx, struct arena *arena)
{
    struct style s = {0};
    const char *p = ctx->names, *word = "";
    for (int i = 0; p && i < 4; i++)
        word = take_word(&p, arena);
    if (*word)
        s.zone = zone_for_setting(word);
    if (p)
        take_word(&p, arena); /* temporary tables */
    style_read_word(&s, p ? take_word(&p, arena) : "");
    return s;
}

void sql_names_view(const char *names, const struct catalog_view **view)
{
    _cleanup_(arena_done) struct arena a = {0};
    const char *p = names, *word = "";
    for (int i = 0; p && i < 5; i++)
        word = take_word(&p, &a);
    if (*word)
        *view = catalog_view_with(*view, word);
}

char *sql_names_in(const char *names, const char *schema)
{
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf path = {0};
    struct buf b = {0};
    const char *p = names ? names : "";
    const char *database = names ? take_word(&p, &a) : CATALOG_FIRST_DATABASE;
    const char *user = take_word(&p, &a), *before = take_word(&p, &a);
    sql_quote(schema, &path);
    buf_printf(&path, ", %s", *before ? before : DEFAULT_PATH);
    put_word(&b, database);
    buf_puts(&b, " ");
    put_word(&b, user);
    buf_puts(&b, " ");
    put_word(&b, path.data);
    if (*p)
        buf_printf(&b, " %s", p);
    return b.data;
}

/* ---- the search path ----------------------------------------------------------------------- */

/* One name of the list; NULL: it is none. */
static const char *take_name(const char **p, struct arena *arena)
{
    const char *s = *p;
    char *name = arena_alloc(arena, strlen(s) + 1), *to = name;
    if (*s == '"') {
        for (s++; *s && (*s != '"' || s[1] == '"'); s++) {
            s += *s == '"';
            *to++ = *s;
        }
        if (*s++ != '"')
            return NULL;
    } else {
        for (; *s && *s != ',' && !isspace((unsigned char)*s); s++)
            *to++ = (char)tolower((unsigned char)*s);
        if (to == name)
            return NULL;
    }
    while (isspace((unsigned char)*s))
        s++;
    *p = s;
    return name;
}

bool sql_search_path(const char *text, struct arena *arena, const char *const **ret, int *ret_n)
{
    const char **names = ARENA_ARRAY(arena, const char *, strlen(text) / 2 + 1);
    int n = 0;
    while (isspace((unsigned char)*text))
        text++;
    while (*text) {
        names[n] = take_name(&text, arena);
        if (!names[n++] || (*text && *text != ','))
            return false;
        if (!*text)
            break;
        do
            text++;
        while (isspace((unsigned char)*text));
        if (!*text)
            return false;
    }
    *ret = names;
    *ret_n = n;
    return true;
}

/* As a name of a list that sql_search_path() reads. */
const char *sql__list_name(const struct analysis *a, const char *name)
{
    bool plain = (*name >= 'a' && *name <= 'z') || *name == '_';
    for (const char *p = name; *p && plain; p++)
        plain = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_';
    if (plain)
        return name;
    struct buf b = {0};
    sql_quote(name, &b);
    const char *quoted = arena_strdup(a->arena, b.data);
    buf_done(&b);
    return quoted;
}

const struct sql_path *sql__path(const struct sql_context *ctx, struct arena *arena)
{
    struct sql_path *path = ARENA_NEW(arena, struct sql_path);
    const char *list = DEFAULT_PATH, *user = "";
    bool temporary = false;
    path->database = CATALOG_FIRST_DATABASE;
    if (ctx->names) {
        const char *p = ctx->names;
        path->database = take_word(&p, arena);
        user = take_word(&p, arena);
        list = take_word(&p, arena);
        take_word(&p, arena);
        temporary = *p;
    }
    path->temporary_first = temporary;
    const char *const *names;
    if (!sql_search_path(list, arena, &names, &path->n))
        path->n = 0;
    path->schemas = ARENA_ARRAY(arena, const char *, path->n + 1);
    path->catalog_first = true;
    for (int i = 0; i < path->n; i++) {
        path->schemas[i] = strcmp(names[i], "$user") == 0 ? user : names[i];
        if (strcmp(names[i], "pg_catalog") == 0)
            path->catalog_first = false;
        if (strcmp(names[i], "pg_temp") == 0) {
            path->schemas[i] = CATALOG_TEMP_SCHEMA;
            path->temporary_first = false;
        }
    }
    return path;
}

static bool schema_exists(const struct analysis *a, const char *name)
{
    const struct catalog_view *v = a->ctx->view;
    return v ? catalog_schema(v, name) != 0 : strcmp(name, "public") == 0;
}

/* Of the path, pg_temp included. */
static const char *first_schema(const struct analysis *a)
{
    for (int i = 0; i < a->path->n; i++)
        if (schema_exists(a, a->path->schemas[i]))
            return a->path->schemas[i];
    return NULL;
}

const char *sql__current_schema(const struct analysis *a)
{
    for (int i = 0; i < a->path->n; i++)
        if (schema_exists(a, a->path->schemas[i]) &&
            strcmp(a->path->schemas[i], CATALOG_TEMP_SCHEMA) != 0)
            return a->path->schemas[i];
    return NULL;
}

struct expr *sql__current_schema_expr(const struct analysis *a, int location)
{
    const char *name = sql__current_schema(a);
    if (!name)
        return sql__const_null(a, OID_NAME, location);
    return sql__const(a, OID_NAME, (struct value){.kind = VALUE_TEXT, .s = {name, strlen(name)}},
                      location);
}

/* Runs through the schemas of the path in order: *i from 0. NULL: no more. */
static const char *next_schema(const struct analysis *a, int *i)
{
    const struct sql_path *p = a->path;
    if (p->temporary_first && *i == 0) {
        (*i)++;
        return CATALOG_TEMP_SCHEMA;
    }
    if (p->catalog_first && *i == p->temporary_first) {
        (*i)++;
        return "pg_catalog";
    }
    int at = *i - p->catalog_first - p->temporary_first;
    if (at >= p->n)
        return NULL;
    (*i)++;
    return p->schemas[at];
}

/* The schema that is said, by its real name. */
static const char *schema_of(const RangeVar *rv)
{
    return rv->schemaname && strcmp(rv->schemaname, "pg_temp") == 0 ? CATALOG_TEMP_SCHEMA
                                                                    : rv->schemaname;
}

/* ---- where things are made ----------------------------------------------------------------- */

static struct error *check_database(const struct analysis *a, const RangeVar *rv)
{
    if (!rv->catalogname || strcmp(rv->catalogname, a->path->database) == 0)
        return NULL;
    return sql__at(a,
                   error_new(E_UNSUPPORTED,
                             "cross-database references are not implemented: \"%s.%s.%s\"",
                             rv->catalogname, rv->schemaname, rv->relname),
                   rv->location);
}

struct error *sql__no_schema(const char *name)
{
    return error_new("3F000", "schema \"%s\" does not exist", name);
}

struct error *sql__table_schema(const struct analysis *a, const RangeVar *rv, char **ret)
{
    const char *schema = schema_of(rv) ? schema_of(rv) : first_schema(a);
    bool said = schema && strcmp(schema, CATALOG_TEMP_SCHEMA) == 0;
    if (rv->relpersistence != 't' && !said)
        return sql__target_schema(a, rv, ret);
    TRY(check_database(a, rv));
    if (rv->schemaname && !said)
        return sql__at(
            a, error_new("42P16", "cannot create temporary relation in non-temporary schema"),
            rv->location);
    if (rv->relpersistence == 'u')
        return sql__at(
            a, error_new("42P16", "only temporary relations may be created in temporary schemas"),
            rv->location);
    *ret = arena_strdup(a->arena, CATALOG_TEMP_SCHEMA);
    return NULL;
}

bool sql__is_temporary(const char *schema)
{
    return strcmp(schema, "pg_temp") == 0 || strcmp(schema, CATALOG_TEMP_SCHEMA) == 0;
}

struct error *sql__check_schema(const struct analysis *a, const char *name)
{
    if (sql__is_temporary(name))
        return sql__unsupported(a, -1, "Put it into another schema.",
                                "nothing but tables can be temporary");
    if (strcmp(name, "information_schema") == 0 || strcmp(name, "pg_catalog") == 0)
        return error_new("42501", "permission denied for schema %s", name);
    return schema_exists(a, name) ? NULL : sql__no_schema(name);
}

struct error *sql__target_schema(const struct analysis *a, const RangeVar *rv, char **ret)
{
    const char *schema = rv->schemaname;
    TRY(check_database(a, rv));
    if (!schema)
        schema = sql__current_schema(a);
    if (!schema)
        return sql__at(a, error_new("3F000", "no schema has been selected to create in"),
                       rv->location);
    if (strcmp(schema, "pg_catalog") == 0)
        return error_detail(
            error_new("42501", "permission denied to create \"%s.%s\"", schema, rv->relname),
            "System catalog modifications are currently disallowed.");
    struct error *e = sql__check_schema(a, schema);
    if (e)
        return sql__at(a, e, rv->location);
    *ret = arena_strdup(a->arena, schema);
    return NULL;
}

/* ---- looking up ---------------------------------------------------------------------------- */

static const struct table *table_in(const struct analysis *a, const char *schema, const char *name)
{
    const struct sql_context *c = a->ctx;
    const struct table *t = c->view ? catalog_table(c->view, schema, name) : NULL;
    for (int i = 0; i < c->n_extra && !t; i++)
        if (strcmp(c->extra[i]->schema, schema) == 0 && strcmp(c->extra[i]->name, name) == 0)
            t = c->extra[i];
    return t;
}

static void lookup(const struct analysis *a, const RangeVar *rv, const struct table **ret_table,
                   const struct object **ret_view)
{
    const char *schema = schema_of(rv);
    *ret_table = NULL;
    *ret_view = NULL;
    for (int i = 0; !*ret_table && !*ret_view;) {
        if (!rv->schemaname && !(schema = next_schema(a, &i)))
            return;
        *ret_table = table_in(a, schema, rv->relname);
        if (!*ret_table && a->ctx->view)
            *ret_view = catalog_object(a->ctx->view, OBJ_VIEW, schema, rv->relname);
        if (rv->schemaname)
            return;
    }
}

const struct table *sql__lookup_table(const struct analysis *a, const RangeVar *rv)
{
    const struct table *t;
    const struct object *view;
    lookup(a, rv, &t, &view);
    return t;
}

const struct object *sql__lookup_object(const struct analysis *a, enum object_kind kind,
                                        const RangeVar *rv)
{
    const struct catalog_view *v = a->ctx->view;
    const struct object *o = NULL;
    const char *schema;
    if (!v || rv->schemaname)
        return v ? catalog_object(v, kind, rv->schemaname, rv->relname) : NULL;
    for (int i = 0; !o && (schema = next_schema(a, &i));)
        o = catalog_object(v, kind, schema, rv->relname);
    return o;
}

static const struct object *type_named(const struct analysis *a, const char *in, const char *name)
{
    const struct catalog_view *v = a->ctx->view;
    const struct object *o = NULL;
    const char *schema;
    if (!v || in)
        return v ? catalog_type(v, in, name) : NULL;
    for (int i = 0; !o && (schema = next_schema(a, &i));)
        o = catalog_type(v, schema, name);
    return o;
}

const struct object *sql__lookup_type(const struct analysis *a, const List *names)
{
    const RangeVar rv = sql__range_var(names);
    return type_named(a, rv.schemaname, rv.relname);
}

const struct object *sql__lookup_item_type(const struct analysis *a, const List *names)
{
    const RangeVar rv = sql__range_var(names);
    const struct object *o =
        *rv.relname == '_' ? type_named(a, rv.schemaname, rv.relname + 1) : NULL;
    return o && o->array_id ? o : NULL;
}

const struct object *sql__lookup_view(const struct analysis *a, const RangeVar *rv)
{
    const struct table *t;
    const struct object *view;
    lookup(a, rv, &t, &view);
    return view;
}

const char *sql__path_text(const struct analysis *a)
{
    struct buf b = {0};
    for (int i = 0; i < a->path->n; i++)
        if (*a->path->schemas[i] && strcmp(a->path->schemas[i], CATALOG_TEMP_SCHEMA) != 0)
            buf_printf(&b, "%s%s", b.len ? ", " : "", sql__list_name(a, a->path->schemas[i]));
    const char *text = arena_strdup(a->arena, b.data ? b.data : "");
    buf_done(&b);
    return text;
}

const struct table *sql__lookup_index(const struct analysis *a, const RangeVar *rv,
                                      const struct index **ret)
{
    const struct catalog_view *v = a->ctx->view;
    const struct table *t = NULL;
    const char *schema;
    if (!v || rv->schemaname)
        return v ? catalog_index(v, schema_of(rv), rv->relname, ret) : NULL;
    for (int i = 0; !t && (schema = next_schema(a, &i));)
        t = catalog_index(v, schema, rv->relname, ret);
    return t;
}

const struct sequence *sql__lookup_sequence(const struct analysis *a, const RangeVar *rv)
{
    const struct catalog_view *v = a->ctx->view;
    const struct sequence *s = NULL;
    const char *schema;
    if (!v || rv->schemaname)
        return v ? catalog_sequence(v, schema_of(rv), rv->relname) : NULL;
    for (int i = 0; !s && (schema = next_schema(a, &i));)
        s = catalog_sequence(v, schema, rv->relname);
    return s;
}

const struct table *sql__lookup_key(const struct analysis *a, const RangeVar *rv)
{
    const struct catalog_view *v = a->ctx->view;
    const struct table *t = NULL;
    const char *schema;
    if (!v || rv->schemaname)
        return v ? catalog_key(v, schema_of(rv), rv->relname) : NULL;
    for (int i = 0; !t && (schema = next_schema(a, &i));)
        t = catalog_key(v, schema, rv->relname);
    return t;
}

bool sql__relation_exists(const struct analysis *a, const char *schema, const char *name)
{
    const struct catalog_view *v = a->ctx->view;
    return v && (catalog_table(v, schema, name) || catalog_index(v, schema, name, NULL) ||
                 catalog_object(v, OBJ_VIEW, schema, name) || catalog_sequence(v, schema, name) ||
                 catalog_object(v, OBJ_COMPOSITE, schema, name) || catalog_key(v, schema, name));
}

struct error *sql__undefined_relation(const char *schema, const char *name)
{
    return schema ? error_new(E_UNDEFINED_TABLE, "relation \"%s.%s\" does not exist", schema, name)
                  : error_new(E_UNDEFINED_TABLE, "relation \"%s\" does not exist", name);
}

struct error *sql__find_source(const struct analysis *a, const RangeVar *rv,
                               const struct table **ret_table, const struct object **ret_view)
{
    TRY(check_database(a, rv));
    lookup(a, rv, ret_table, ret_view);
    if (*ret_table || *ret_view)
        return NULL;
    struct error *e = sql__lookup_object(a, OBJ_COMPOSITE, rv)
                          ? error_new("42809", "\"%s\" is a composite type", rv->relname)
                          : sql__undefined_relation(rv->schemaname, rv->relname);
    return sql__at(a, e, rv->location);
}

struct error *sql__find_table(const struct analysis *a, const RangeVar *rv,
                              const struct table **ret)
{
    const struct object *view;
    const struct table *t;
    TRY(sql__find_source(a, rv, &t, &view));
    if (view)
        return error_new("42809", "\"%s\" is not a table", rv->relname);
    *ret = t;
    return NULL;
}

struct error *sql__find_named(const struct analysis *a, const RangeVar *rv,
                              const struct table **ret_table, const struct object **ret_view)
{
    if (rv->schemaname && !rv->catalogname && !schema_exists(a, schema_of(rv)))
        return sql__no_schema(rv->schemaname);
    return error_at(sql__find_source(a, rv, ret_table, ret_view), 0);
}

struct error *sql__find_relation(const struct analysis *a, const RangeVar *rv,
                                 const struct table **ret)
{
    const struct object *view;
    TRY(sql__find_named(a, rv, ret, &view));
    return view ? error_new("42809", "\"%s\" is not a table", rv->relname) : NULL;
}
