/*
 * Records as JSON, both ways. Writing goes field by field. Reading checks as it goes: a record may
 * have been written by a newer version, by hand, or by chance; whatever does not make sense is an
 * XX001 that names the key, and never reaches a view.
 *
 * The reader keeps the first thing that was wrong and hands out harmless values from then on, so
 * that decoding runs straight and asks once, at its end.
 */
#include "catalog/catalog_int.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

enum { MAX_COLUMNS = 1600, MAX_OBJECTS = 4096, TEXT_MAX = 512 * 1024 };

/* ---- keys --------------------------------------------------------------------------------- */

void catalog__put_escaped(struct buf *b, const char *name)
{
    for (; *name; name++) {
        if (*name == '.' || *name == '/' || *name == '%')
            buf_printf(b, "%%%02X", *name);
        else
            buf_append(b, name, 1);
    }
}

char *catalog__relation_key(const char *root, uint64_t database, const char *schema,
                            const char *name)
{
    struct buf b = {0};
    buf_puts(&b, root);
    if (database)
        buf_printf(&b, "%llu/", (unsigned long long)database);
    catalog__put_escaped(&b, schema);
    buf_puts(&b, ".");
    catalog__put_escaped(&b, name);
    return b.data;
}

char *catalog__id_key(const char *root, uint64_t id)
{
    return mem_printf("%s%llu", root, (unsigned long long)id);
}

bool catalog__key_id(const char *key, const char *root, uint64_t *ret)
{
    const char *s = key + strlen(root);
    if (*s < '1' || *s > '9' || strlen(s) > 18)
        return false;
    char *end;
    *ret = strtoull(s, &end, 10);
    return !*end;
}

/* ---- writing ------------------------------------------------------------------------------ */

static json_t *int_array(const int *v, int n)
{
    json_t *a = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(a, json_integer(v[i]));
    return a;
}

static json_t *name_array(char *const *v, int n)
{
    json_t *a = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(a, json_string(v[i]));
    return a;
}

/* A NULL in the middle of json_pack, say from text that is not UTF-8, makes the whole record NULL.
 */
static struct error *finish(json_t *record, const char *what, char **ret)
{
    char *text = record ? json_dumps(record, JSON_COMPACT) : NULL;
    json_decref(record);
    if (!text)
        return error_new("22021", "invalid byte sequence for encoding \"UTF8\" in %s", what);
    *ret = mem_strdup(text);
    free(text);
    return NULL;
}

/* Appends to an array inside an object that is being made; false: the element could not be made. */
static bool add(json_t *array, json_t *element)
{
    return json_array_append_new(array, element) == 0;
}

static bool add_columns(json_t *array, const struct table *t)
{
    for (int i = 0; i < t->n_columns; i++) {
        const struct column *c = &t->columns[i];
        json_t *id = c->default_sql ? json_integer((json_int_t)c->default_id) : NULL;
        const char identity[2] = {c->identity, 0};
        json_t *sequence = c->sequence ? json_integer((json_int_t)c->sequence) : NULL;
        json_t *generated = c->generated ? json_true() : NULL;
        json_t *dropped = c->dropped ? json_true() : NULL;
        json_t *domain = c->domain ? json_integer((json_int_t)c->domain) : NULL;
        if (!add(array,
                 json_pack("{s:s, s:I, s:i, s:b, s:s*, s:o*, s:o*, s:s*, s:s*, s:o*, s:o*, s:s*, "
                           "s:o*}",
                           "name", c->name, "type", (json_int_t)c->type, "typmod", c->typmod,
                           "not_null", (int)c->not_null, "default", c->default_sql, "default_id",
                           id, "sequence", sequence, "identity", c->identity ? identity : NULL,
                           "added", c->added, "generated", generated, "dropped", dropped, "comment",
                           c->comment, "domain", domain)))
            return false;
    }
    return true;
}

static bool add_keys(json_t *array, const struct table *t)
{
    for (int i = 0; i < t->n_keys; i++) {
        const struct key *k = &t->keys[i];
        if (!add(array, json_pack("{s:s, s:I, s:I, s:b, s:o, s:s*, s:s*, s:s*}", "name", k->name,
                                  "id", (json_int_t)k->id, "index_id", (json_int_t)k->index_id,
                                  "primary", (int)k->primary, "columns",
                                  int_array(k->columns, k->n_columns), "comment", k->comment,
                                  "index_comment", k->index_comment, "options", k->options)))
            return false;
        json_t *o = json_array_get(array, (size_t)i);
        if (k->deferrable)
            json_object_set_new(o, "deferrable", json_true());
        if (k->deferred)
            json_object_set_new(o, "deferred", json_true());
        if (k->nulls_equal)
            json_object_set_new(o, "nulls_equal", json_true());
        if (k->off)
            json_object_set_new(o, "off", json_true());
    }
    return true;
}

static bool add_checks(json_t *array, const struct table *t)
{
    for (int i = 0; i < t->n_checks; i++) {
        const struct check *c = &t->checks[i];
        if (!add(array,
                 json_pack("{s:s, s:I, s:s, s:b, s:s*}", "name", c->name, "id", (json_int_t)c->id,
                           "sql", c->sql, "not_valid", (int)c->not_valid, "comment", c->comment)))
            return false;
    }
    return true;
}

static bool add_foreign_keys(json_t *array, const struct table *t)
{
    for (int i = 0; i < t->n_foreign_keys; i++) {
        const struct foreign_key *f = &t->foreign_keys[i];
        char on_delete[2] = {f->on_delete, 0}, on_update[2] = {f->on_update, 0};
        if (!add(array,
                 json_pack("{s:s, s:I, s:I, s:o, s:o, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:s*}",
                           "name", f->name, "id", (json_int_t)f->id, "table", (json_int_t)f->table,
                           "columns", int_array(f->columns, f->n_columns), "ref_columns",
                           int_array(f->ref_columns, f->n_columns), "on_delete", on_delete,
                           "on_update", on_update, "not_valid", (int)f->not_valid, "match_full",
                           (int)f->match_full, "deferrable", (int)f->deferrable, "deferred",
                           (int)f->deferred, "watched", (int)f->watched, "comment", f->comment)))
            return false;
        json_t *o = json_array_get(array, (size_t)i);
        if (f->n_set)
            json_object_set_new(o, "set_columns", int_array(f->set_columns, f->n_set));
        if (f->child_off)
            json_object_set_new(o, "child_off", json_true());
        if (f->parent_off)
            json_object_set_new(o, "parent_off", json_true());
        if (f->was_off)
            json_object_set_new(o, "was_off", json_true());
    }
    return true;
}

static json_t *bool_array(const bool *v, int n)
{
    json_t *a = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(a, json_boolean(v && v[i]));
    return a;
}

static json_t *expression_array(const struct index *x)
{
    json_t *a = json_array();
    for (int i = 0; i < x->n_expressions; i++) {
        const struct index_expression *e = &x->expressions[i];
        if (!add(a, json_pack("{s:s, s:s, s:I, s:i}", "name", e->name, "sql", e->sql, "type",
                              (json_int_t)e->type, "typmod", e->typmod))) {
            json_decref(a);
            return NULL;
        }
    }
    return a;
}

static json_t *oid_array(const uint32_t *oids, int n)
{
    json_t *a = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(a, json_integer((json_int_t)oids[i]));
    return a;
}

/* Members that few indexes have. */
static bool add_rare(json_t *array, const struct index *x)
{
    json_t *o = json_array_get(array, json_array_size(array) - 1);
    bool ok = true;
    if (x->n_expressions)
        ok = json_object_set_new(o, "expressions", expression_array(x)) == 0;
    if (x->nulls_first)
        json_object_set_new(o, "nulls_first", bool_array(x->nulls_first, x->n_columns));
    if (x->method)
        json_object_set_new(o, "method", json_integer((json_int_t)x->method));
    if (x->classes)
        json_object_set_new(o, "classes", oid_array(x->classes, x->n_columns));
    if (x->n_included)
        json_object_set_new(o, "included", int_array(x->included, x->n_included));
    if (x->options)
        json_object_set_new(o, "options", json_string(x->options));
    if (x->watched)
        json_object_set_new(o, "watched", json_true());
    if (x->nulls_equal)
        json_object_set_new(o, "nulls_equal", json_true());
    return ok;
}

static bool add_indexes(json_t *array, const struct table *t)
{
    for (int i = 0; i < t->n_indexes; i++) {
        const struct index *x = &t->indexes[i];
        json_t *descending = bool_array(x->descending, x->n_columns);
        if (!add(array, json_pack("{s:s, s:I, s:b, s:o, s:o, s:s, s:s*, s:s*, s:s*}", "name",
                                  x->name, "id", (json_int_t)x->id, "unique", (int)x->unique,
                                  "columns", int_array(x->columns, x->n_columns), "descending",
                                  descending, "ddl", x->ddl, "file_name", x->file_name, "where",
                                  x->where_sql, "comment", x->comment)) ||
            !add_rare(array, x))
            return false;
    }
    return true;
}

static bool add_owned(json_t *array, const struct table *t)
{
    for (int i = 0; i < t->n_owned; i++)
        if (!add(array, json_pack("{s:I, s:i}", "sequence", (json_int_t)t->owned[i].sequence,
                                  "column", t->owned[i].column)))
            return false;
    return true;
}

static bool add_uses(json_t *uses, const struct object *o)
{
    for (int i = 0; i < o->n_uses; i++) {
        const struct object_use *u = &o->uses[i];
        json_t *use = json_pack("{s:I, s:i, s:o}", "id", (json_int_t)u->id, "known", u->known,
                                "columns", int_array(u->columns, u->n_columns));
        if (use && u->by_key)
            json_object_set_new(use, "by_key", json_true());
        if (!add(uses, use))
            return false;
    }
    return true;
}

static bool add_query(json_t *record, const struct table *t)
{
    json_t *query = json_pack("{s:s, s:s, s:[]}", "sql", t->query->sql, "search_path",
                              t->query->search_path, "uses");
    if (t->unpopulated)
        json_object_set_new(record, "unpopulated", json_true());
    bool ok = query && add_uses(json_object_get(query, "uses"), t->query);
    return json_object_set_new(record, "query", query) == 0 && ok;
}

struct error *catalog__encode_table(const struct table *t, char **ret)
{
    const char on_commit[2] = {t->on_commit, 0};
    json_t *database = t->database ? json_integer((json_int_t)t->database) : NULL;
    json_t *record =
        json_pack("{s:I, s:s, s:s, s:I, s:I, s:[], s:[], s:[], s:[], s:[], s:[], s:s, "
                  "s:o*, s:s*, s:s*, s:s*, s:s*, s:s*}",
                  "id", (json_int_t)t->id, "schema", t->schema, "name", t->name, "version",
                  (json_int_t)t->version, "region", (json_int_t)t->region, "columns", "keys",
                  "checks", "foreign_keys", "indexes", "owned", "ddl", t->ddl, "database", database,
                  "file_name", t->file_name, "comment", t->comment, "on_commit",
                  t->on_commit ? on_commit : NULL, "options", t->options, "triggers", t->triggers);
    if (record && !(add_owned(json_object_get(record, "owned"), t) &&
                    add_columns(json_object_get(record, "columns"), t) &&
                    add_keys(json_object_get(record, "keys"), t) &&
                    add_checks(json_object_get(record, "checks"), t) &&
                    add_foreign_keys(json_object_get(record, "foreign_keys"), t) &&
                    add_indexes(json_object_get(record, "indexes"), t))) {
        json_decref(record);
        record = NULL;
    }
    if (record && t->query && !add_query(record, t)) {
        json_decref(record);
        record = NULL;
    }
    return finish(record, "a table's definition", ret);
}

struct error *catalog__encode_region(const struct region *r, char **ret)
{
    json_t *record = json_pack(
        "{s:I, s:I, s:I, s:i, s:s, s:o, s:o, s:o, s:s*, s:s*}", "id", (json_int_t)r->id, "epoch",
        (json_int_t)r->epoch, "schema_version", (json_int_t)r->schema_version, "copies", r->copies,
        "primary", r->primary, "backups", name_array(r->backups, r->n_backups), "learners",
        name_array(r->learners, r->n_learners), "former", name_array(r->former, r->n_former),
        "leaving", r->leaving, "provisional", r->provisional);
    return finish(record, "a server's name", ret);
}

struct error *catalog__encode_sequence(const struct sequence *s, char **ret)
{
    json_t *database = s->database ? json_integer((json_int_t)s->database) : NULL;
    json_t *record = json_pack(
        "{s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:b, s:I, s:o*, s:s*}", "id",
        (json_int_t)s->id, "schema", s->schema, "name", s->name, "type", (json_int_t)s->type,
        "start", (json_int_t)s->start, "increment", (json_int_t)s->increment, "min",
        (json_int_t)s->min, "max", (json_int_t)s->max, "cache", (json_int_t)s->cache, "cycle",
        (int)s->cycle, "last", (json_int_t)s->last, "called", (int)s->called, "generation",
        (json_int_t)s->generation, "database", database, "comment", s->comment);
    return finish(record, "a sequence's name", ret);
}

struct error *catalog__encode_server(const struct server *s, char **ret)
{
    _cleanup_(buf_done) struct buf roles = {0};
    buf_puts(&roles, s->gateway ? "gateway," : "");
    buf_puts(&roles, s->region ? "region," : "");
    buf_puts(&roles, s->master ? "master," : "");
    json_t *record = json_pack(
        "{s:s, s:s#, s:{s:I, s:I, s:I, s:b}, s:I, s:I, s:b}", "address", s->address, "roles",
        roles.data ? roles.data : "", (int)(roles.len ? roles.len - 1 : 0), "info", "tableNum",
        (json_int_t)s->tables, "recordNum", (json_int_t)s->records, "load", (json_int_t)s->bytes,
        "diskFailed", s->disk_failed, "started", (json_int_t)s->started, "incarnation",
        (json_int_t)s->incarnation, "leaving", s->leaving);
    return finish(record, "a server's name", ret);
}

char *catalog__encode_cluster(uint64_t id, uint64_t era)
{
    return mem_printf("{\"id\":%llu,\"format\":%d,\"era\":%llu}", (unsigned long long)id,
                      CATALOG_FORMAT, (unsigned long long)era);
}

/* ---- reading ------------------------------------------------------------------------------ */

struct decoder {
    struct arena *arena;
    const char *wrong; /* the first member that makes no sense */
};

static void bad(struct decoder *d, const char *what)
{
    if (!d->wrong)
        d->wrong = what;
}

static int64_t get_int(struct decoder *d, const json_t *o, const char *name, int64_t min,
                       int64_t max)
{
    const json_t *j = json_object_get(o, name);
    int64_t v = json_integer_value(j);
    if (!json_is_integer(j) || v < min || v > max) {
        bad(d, name);
        return min;
    }
    return v;
}

static uint64_t get_id(struct decoder *d, const json_t *o, const char *name)
{
    return (uint64_t)get_int(d, o, name, 0, INT64_MAX);
}

static bool get_bool(struct decoder *d, const json_t *o, const char *name)
{
    const json_t *j = json_object_get(o, name);
    if (!json_is_boolean(j))
        bad(d, name);
    return json_is_true(j);
}

static char *take_text(struct decoder *d, const json_t *j, const char *name, size_t min, size_t max)
{
    const char *s = json_string_value(j);
    size_t n = json_string_length(j);
    if (!s || n < min || n > max || strlen(s) != n) {
        bad(d, name);
        return arena_strdup(d->arena, "?");
    }
    return arena_strdup(d->arena, s);
}

static char *get_text(struct decoder *d, const json_t *o, const char *name, size_t min, size_t max)
{
    return take_text(d, json_object_get(o, name), name, min, max);
}

static char *get_name(struct decoder *d, const json_t *o)
{
    return get_text(d, o, "name", 1, CATALOG_NAME_MAX);
}

static char *get_comment_named(struct decoder *d, const json_t *o, const char *name)
{
    return json_object_get(o, name) ? get_text(d, o, name, 1, TEXT_MAX) : NULL;
}

static char *get_comment(struct decoder *d, const json_t *o)
{
    return get_comment_named(d, o, "comment");
}

static char *get_file_name(struct decoder *d, const json_t *o, char *name)
{
    return json_object_get(o, "file_name") ? get_text(d, o, "file_name", 1, 4 * CATALOG_NAME_MAX)
                                           : name;
}

static uint64_t get_database(struct decoder *d, const json_t *o)
{
    return json_object_get(o, "database") ? get_id(d, o, "database") : 0;
}

/* Length of an array member; 0 when it is none. */
static int get_array(struct decoder *d, const json_t *o, const char *name, size_t max,
                     const json_t **ret)
{
    *ret = json_object_get(o, name);
    if (!json_is_array(*ret) || json_array_size(*ret) > max) {
        bad(d, name);
        return 0;
    }
    return (int)json_array_size(*ret);
}

/* Positions of columns, from `least` to below `limit`. */
static int *get_positions(struct decoder *d, const json_t *o, const char *name, int least,
                          int limit, int *ret_n)
{
    const json_t *a;
    int n = get_array(d, o, name, MAX_COLUMNS, &a);
    int *columns = ARENA_ARRAY(d->arena, int, n + 1);
    for (int i = 0; i < n; i++) {
        const json_t *j = json_array_get(a, (size_t)i);
        json_int_t v = json_integer_value(j);
        if (!json_is_integer(j) || v < least || v >= limit)
            bad(d, name);
        else
            columns[i] = (int)v;
    }
    if (n == 0)
        bad(d, name);
    *ret_n = n;
    return columns;
}

static int *get_columns(struct decoder *d, const json_t *o, const char *name, int limit, int *ret_n)
{
    return get_positions(d, o, name, 0, limit, ret_n);
}

static void get_column(struct decoder *d, const json_t *o, struct column *c)
{
    c->name = get_name(d, o);
    c->type = (uint32_t)get_int(d, o, "type", 1, UINT32_MAX);
    c->typmod = (int32_t)get_int(d, o, "typmod", -1, INT32_MAX);
    c->not_null = get_bool(d, o, "not_null");
    if (json_object_get(o, "default")) {
        c->default_sql = get_text(d, o, "default", 1, TEXT_MAX);
        c->default_id = get_id(d, o, "default_id");
    }
    const struct type *type = type_by_oid(c->type);
    if (!type || !type->column)
        bad(d, "type");
    c->generated = json_is_true(json_object_get(o, "generated")) && c->default_sql;
    c->dropped = json_is_true(json_object_get(o, "dropped"));
    if (json_object_get(o, "sequence"))
        c->sequence = get_id(d, o, "sequence");
    c->comment = get_comment(d, o);
    if (json_object_get(o, "domain"))
        c->domain = (uint32_t)get_int(d, o, "domain", FIRST_USER_OID, UINT32_MAX);
    if (json_object_get(o, "added"))
        c->added = get_text(d, o, "added", 1, TEXT_MAX);
    if (json_object_get(o, "identity"))
        c->identity = get_text(d, o, "identity", 1, 1)[0];
}

static void get_foreign_key(struct decoder *d, const json_t *o, int n_columns,
                            struct foreign_key *f)
{
    int n_ref;
    f->name = get_name(d, o);
    f->id = get_id(d, o, "id");
    f->comment = get_comment(d, o);
    f->table = (uint64_t)get_int(d, o, "table", 1, INT64_MAX);
    f->columns = get_columns(d, o, "columns", n_columns, &f->n_columns);
    /* columns of another table, whose record may come later */
    f->ref_columns = get_columns(d, o, "ref_columns", MAX_COLUMNS, &n_ref);
    if (n_ref != f->n_columns)
        bad(d, "ref_columns");
    f->on_delete = get_text(d, o, "on_delete", 1, 1)[0];
    f->on_update = get_text(d, o, "on_update", 1, 1)[0];
    f->not_valid = get_bool(d, o, "not_valid");
    f->match_full = get_bool(d, o, "match_full");
    f->deferrable = get_bool(d, o, "deferrable");
    f->deferred = get_bool(d, o, "deferred");
    f->watched = get_bool(d, o, "watched");
    f->child_off = json_is_true(json_object_get(o, "child_off"));
    f->parent_off = json_is_true(json_object_get(o, "parent_off"));
    f->was_off = json_is_true(json_object_get(o, "was_off"));
    if (json_object_get(o, "set_columns"))
        f->set_columns = get_columns(d, o, "set_columns", n_columns, &f->n_set);
    if (!strchr("arcnd", f->on_delete) || !strchr("arcnd", f->on_update))
        bad(d, "on_delete");
}

static void get_expressions(struct decoder *d, const json_t *o, struct index *x)
{
    const json_t *a;
    if (!json_object_get(o, "expressions"))
        return;
    x->n_expressions = get_array(d, o, "expressions", MAX_COLUMNS, &a);
    x->expressions = ARENA_ARRAY(d->arena, struct index_expression, x->n_expressions + 1);
    for (int i = 0; i < x->n_expressions; i++) {
        const json_t *e = json_array_get(a, (size_t)i);
        x->expressions[i] =
            (struct index_expression){.name = get_name(d, e),
                                      .sql = get_text(d, e, "sql", 1, TEXT_MAX),
                                      .type = (uint32_t)get_int(d, e, "type", 1, UINT32_MAX),
                                      .typmod = (int32_t)get_int(d, e, "typmod", -1, INT32_MAX)};
        if (!type_by_oid(x->expressions[i].type))
            bad(d, "type");
    }
}

/* Of each key; false where the record has none. */
static bool *get_flags(struct decoder *d, const json_t *o, const char *name, int n)
{
    const json_t *a;
    bool *flags = ARENA_ARRAY(d->arena, bool, n + 1);
    if (get_array(d, o, name, MAX_COLUMNS, &a) != n)
        bad(d, name);
    for (int i = 0; i < n; i++)
        flags[i] = json_is_true(json_array_get(a, (size_t)i));
    return flags;
}

static uint32_t *get_oids(struct decoder *d, const json_t *o, const char *name, int n)
{
    const json_t *a;
    uint32_t *oids = ARENA_ARRAY(d->arena, uint32_t, n + 1);
    if (get_array(d, o, name, MAX_COLUMNS, &a) != n)
        bad(d, name);
    for (int i = 0; i < n; i++)
        oids[i] = (uint32_t)json_integer_value(json_array_get(a, (size_t)i));
    return oids;
}

static char *get_options(struct decoder *d, const json_t *o)
{
    return json_object_get(o, "options") ? get_text(d, o, "options", 1, TEXT_MAX) : NULL;
}

static void get_index(struct decoder *d, const json_t *o, int n_columns, struct index *x)
{
    x->name = get_name(d, o);
    x->id = get_id(d, o, "id");
    x->unique = get_bool(d, o, "unique");
    get_expressions(d, o, x);
    x->columns = get_positions(d, o, "columns", -x->n_expressions, n_columns, &x->n_columns);
    x->ddl = get_text(d, o, "ddl", 1, TEXT_MAX);
    x->file_name = get_file_name(d, o, x->name);
    x->comment = get_comment(d, o);
    if (json_object_get(o, "where"))
        x->where_sql = get_text(d, o, "where", 1, TEXT_MAX);
    x->descending = get_flags(d, o, "descending", x->n_columns);
    if (json_object_get(o, "nulls_first"))
        x->nulls_first = get_flags(d, o, "nulls_first", x->n_columns);
    x->options = get_options(d, o);
    if (json_object_get(o, "method"))
        x->method = (uint32_t)get_int(d, o, "method", 1, UINT32_MAX);
    if (json_object_get(o, "classes"))
        x->classes = get_oids(d, o, "classes", x->n_columns);
    x->watched = json_is_true(json_object_get(o, "watched"));
    x->nulls_equal = json_is_true(json_object_get(o, "nulls_equal"));
    if (json_object_get(o, "included"))
        x->included = get_columns(d, o, "included", n_columns, &x->n_included);
}

static void get_all_columns(struct decoder *d, const json_t *o, struct table *t)
{
    const json_t *a;
    t->n_columns = get_array(d, o, "columns", MAX_COLUMNS, &a);
    t->columns = ARENA_ARRAY(d->arena, struct column, t->n_columns + 1);
    for (int i = 0; i < t->n_columns; i++)
        get_column(d, json_array_get(a, (size_t)i), &t->columns[i]);
}

static void get_checks(struct decoder *d, const json_t *o, struct table *t)
{
    const json_t *a;
    t->n_checks = get_array(d, o, "checks", MAX_OBJECTS, &a);
    t->checks = ARENA_ARRAY(d->arena, struct check, t->n_checks + 1);
    for (int i = 0; i < t->n_checks; i++) {
        const json_t *c = json_array_get(a, (size_t)i);
        t->checks[i].name = get_name(d, c);
        t->checks[i].id = get_id(d, c, "id");
        t->checks[i].comment = get_comment(d, c);
        t->checks[i].sql = get_text(d, c, "sql", 1, TEXT_MAX);
        t->checks[i].not_valid = get_bool(d, c, "not_valid");
    }
}

static void get_parts(struct decoder *d, const json_t *o, struct table *t)
{
    const json_t *a;
    get_all_columns(d, o, t);
    t->n_keys = get_array(d, o, "keys", MAX_OBJECTS, &a);
    t->keys = ARENA_ARRAY(d->arena, struct key, t->n_keys + 1);
    for (int i = 0; i < t->n_keys; i++) {
        const json_t *k = json_array_get(a, (size_t)i);
        t->keys[i].name = get_name(d, k);
        t->keys[i].id = get_id(d, k, "id");
        t->keys[i].index_id = get_id(d, k, "index_id");
        t->keys[i].comment = get_comment(d, k);
        t->keys[i].index_comment = get_comment_named(d, k, "index_comment");
        t->keys[i].options = get_options(d, k);
        t->keys[i].primary = get_bool(d, k, "primary");
        t->keys[i].deferrable = json_is_true(json_object_get(k, "deferrable"));
        t->keys[i].deferred = json_is_true(json_object_get(k, "deferred"));
        t->keys[i].nulls_equal = json_is_true(json_object_get(k, "nulls_equal"));
        t->keys[i].off = json_is_true(json_object_get(k, "off"));
        t->keys[i].columns = get_columns(d, k, "columns", t->n_columns, &t->keys[i].n_columns);
    }
    get_checks(d, o, t);
    t->n_foreign_keys = get_array(d, o, "foreign_keys", MAX_OBJECTS, &a);
    t->foreign_keys = ARENA_ARRAY(d->arena, struct foreign_key, t->n_foreign_keys + 1);
    for (int i = 0; i < t->n_foreign_keys; i++)
        get_foreign_key(d, json_array_get(a, (size_t)i), t->n_columns, &t->foreign_keys[i]);
    t->n_indexes = get_array(d, o, "indexes", MAX_OBJECTS, &a);
    t->indexes = ARENA_ARRAY(d->arena, struct index, t->n_indexes + 1);
    for (int i = 0; i < t->n_indexes; i++)
        get_index(d, json_array_get(a, (size_t)i), t->n_columns, &t->indexes[i]);
}

static void get_owned(struct decoder *d, const json_t *o, struct table *t)
{
    const json_t *a;
    t->n_owned = get_array(d, o, "owned", MAX_OBJECTS, &a);
    t->owned = ARENA_ARRAY(d->arena, struct owned_sequence, t->n_owned + 1);
    for (int i = 0; i < t->n_owned; i++) {
        const json_t *x = json_array_get(a, (size_t)i);
        t->owned[i].sequence = get_id(d, x, "sequence");
        t->owned[i].column = (int)get_int(d, x, "column", 0, MAX(t->n_columns - 1, 0));
    }
}

static struct error *damaged(const char *key, const char *what)
{
    return error_hint(error_new(E_DAMAGED,
                                "record \"%s\" in the coordination store makes no sense: %s", key,
                                what),
                      "It is ignored. Was it written by hand, or by a newer version?");
}

/* Parses the JSON and makes room for a payload. */
static struct error *open_record(const struct coord_kv *kv, size_t payload, json_t **ret_json,
                                 struct record **ret, struct decoder *d)
{
    json_error_t why;
    json_t *o = json_loadb(kv->value, kv->value_len, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(o)) {
        json_decref(o);
        return damaged(kv->key, o ? "not an object" : why.text);
    }
    *ret = catalog__record_new(payload);
    (*ret)->revision = kv->mod_revision;
    *d = (struct decoder){.arena = &(*ret)->arena};
    *ret_json = o;
    return NULL;
}

static struct error *close_record(const struct coord_kv *kv, json_t *o, const struct decoder *d,
                                  struct record **r)
{
    json_decref(o);
    if (!d->wrong)
        return NULL;
    catalog__record_unref(*r);
    *r = NULL;
    return damaged(kv->key, d->wrong);
}

static void get_use(struct decoder *d, const json_t *o, struct object_use *u)
{
    u->id = get_id(d, o, "id");
    if (json_array_size(json_object_get(o, "columns")))
        u->columns = get_columns(d, o, "columns", MAX_COLUMNS, &u->n_columns);
    u->known = (int)get_int(d, o, "known", 0, MAX_COLUMNS);
    u->by_key = json_is_true(json_object_get(o, "by_key"));
}

static void get_query(struct decoder *d, const json_t *json, struct object *o)
{
    const json_t *a;
    o->sql = get_text(d, json, "sql", 1, TEXT_MAX);
    o->search_path = get_text(d, json, "search_path", 0, TEXT_MAX);
    o->n_uses = get_array(d, json, "uses", MAX_OBJECTS, &a);
    o->uses = ARENA_ARRAY(d->arena, struct object_use, o->n_uses + 1);
    for (int i = 0; i < o->n_uses; i++)
        get_use(d, json_array_get(a, (size_t)i), &o->uses[i]);
}

static void get_materialized(struct decoder *d, const json_t *json, struct table *t)
{
    if (!json_object_get(json, "query"))
        return;
    t->query = ARENA_NEW(d->arena, struct object);
    *t->query = (struct object){.id = t->id,
                                .kind = OBJ_VIEW,
                                .database = t->database,
                                .schema = t->schema,
                                .name = t->name};
    get_query(d, json_object_get(json, "query"), t->query);
    t->unpopulated = json_is_true(json_object_get(json, "unpopulated"));
}

struct error *catalog__decode_table(const struct coord_kv *kv, struct record **ret)
{
    json_t *o;
    struct record *r;
    struct decoder d;
    uint64_t id = 0;
    TRY(open_record(kv, sizeof(struct table), &o, &r, &d));
    struct table *t = (struct table *)r->payload;
    t->id = (uint64_t)get_int(&d, o, "id", 1, INT64_MAX);
    t->schema = get_text(&d, o, "schema", 1, CATALOG_NAME_MAX);
    t->name = get_name(&d, o);
    t->version = (uint64_t)get_int(&d, o, "version", 1, INT64_MAX);
    t->region = (uint64_t)get_int(&d, o, "region", 1, INT64_MAX);
    t->ddl = get_text(&d, o, "ddl", 1, TEXT_MAX);
    t->database = get_database(&d, o);
    t->file_name = get_file_name(&d, o, t->name);
    t->comment = get_comment(&d, o);
    t->options = get_options(&d, o);
    if (json_object_get(o, "triggers"))
        t->triggers = get_text(&d, o, "triggers", 1, TEXT_MAX);
    if (json_object_get(o, "on_commit"))
        t->on_commit = get_text(&d, o, "on_commit", 1, 1)[0];
    get_parts(&d, o, t);
    get_materialized(&d, o, t);
    get_owned(&d, o, t);
    if (!catalog__key_id(kv->key, KEY_TABLES, &id) || id != t->id)
        bad(&d, "id");
    TRY(close_record(kv, o, &d, &r));
    catalog__sum_names(t);
    *ret = r;
    return NULL;
}

/* ---- objects ------------------------------------------------------------------------------ */

static const char *const object_kinds[] = {
    [OBJ_DATABASE] = "database", [OBJ_SCHEMA] = "schema",       [OBJ_VIEW] = "view",
    [OBJ_ENUM] = "enum",         [OBJ_EXTENSION] = "extension", [OBJ_COMMENT] = "comment",
    [OBJ_DOMAIN] = "domain",     [OBJ_COMPOSITE] = "composite"};

static bool add_view(json_t *record, const struct object *o)
{
    json_t *columns = json_array(), *uses = json_array();
    bool ok = add_columns(columns, o->relation);
    ok = ok && add_uses(uses, o);
    const char option[2] = {o->check_option, 0};
    if (o->check_option)
        json_object_set_new(record, "check_option", json_string(option));
    if (o->relation->options)
        json_object_set_new(record, "options", json_string(o->relation->options));
    json_object_set_new(record, "columns", columns);
    json_object_set_new(record, "uses", uses);
    return ok && json_object_set_new(record, "sql", json_string(o->sql)) == 0 &&
           json_object_set_new(record, "search_path", json_string(o->search_path)) == 0;
}

static bool add_labels(json_t *record, const struct object *o)
{
    json_t *labels = json_array();
    bool ok = true;
    for (int i = 0; i < o->n_labels && ok; i++)
        ok = add(labels,
                 json_pack("{s:s, s:I, s:I}", "name", o->labels[i].name, "value",
                           (json_int_t)o->labels[i].value, "id", (json_int_t)o->labels[i].id));
    json_object_set_new(record, "labels", labels);
    return ok &&
           json_object_set_new(record, "array_id", json_integer((json_int_t)o->array_id)) == 0;
}

static bool add_domain(json_t *record, const struct table *t)
{
    json_t *columns = json_array(), *checks = json_array();
    bool ok = add_columns(columns, t) && add_checks(checks, t);
    json_object_set_new(record, "columns", columns);
    json_object_set_new(record, "checks", checks);
    return ok;
}

static bool add_attributes(json_t *record, const struct object *o)
{
    json_t *columns = json_array();
    bool ok = add_columns(columns, o->attributes);
    json_object_set_new(record, "columns", columns);
    return ok &&
           json_object_set_new(record, "array_id", json_integer((json_int_t)o->array_id)) == 0;
}

struct error *catalog__encode_object(const struct object *o, char **ret)
{
    json_t *database = o->database ? json_integer((json_int_t)o->database) : NULL;
    json_t *record =
        json_pack("{s:I, s:s, s:s, s:s, s:I, s:o*, s:s*}", "id", (json_int_t)o->id, "kind",
                  object_kinds[o->kind], "schema", o->schema, "name", o->name, "version",
                  (json_int_t)o->version, "database", database, "comment", o->comment);
    if (record && o->dropped)
        json_object_set_new(record, "dropped", json_true());
    if (record && o->colocated)
        json_object_set_new(record, "colocated", json_true());
    if (record && o->kind == OBJ_ENUM && !add_labels(record, o)) {
        json_decref(record);
        record = NULL;
    }
    if (record && o->domain && !add_domain(record, o->domain)) {
        json_decref(record);
        record = NULL;
    }
    if (record && o->attributes && !add_attributes(record, o)) {
        json_decref(record);
        record = NULL;
    }
    if (record && o->relation && !add_view(record, o)) {
        json_decref(record);
        record = NULL;
    }
    return finish(record, "an object's definition", ret);
}

static enum object_kind get_kind(struct decoder *d, const json_t *o)
{
    const char *kind = get_text(d, o, "kind", 1, CATALOG_NAME_MAX);
    for (size_t i = 0; i < ARRAY_LEN(object_kinds); i++)
        if (strcmp(object_kinds[i], kind) == 0)
            return (enum object_kind)i;
    bad(d, "kind");
    return OBJ_SCHEMA;
}

/* What the object looks like as a table. */
static struct table *table_of(struct decoder *d, const json_t *json, const struct object *o)
{
    struct table *t = ARENA_NEW(d->arena, struct table);
    *t = (struct table){.id = o->id,
                        .schema = o->schema,
                        .name = o->name,
                        .database = o->database,
                        .version = o->version,
                        .ddl = arena_strdup(d->arena, "")};
    get_all_columns(d, json, t);
    return t;
}

static void get_view(struct decoder *d, const json_t *json, struct object *o)
{
    o->relation = table_of(d, json, o);
    o->relation->options = get_options(d, json);
    get_query(d, json, o);
    if (json_object_get(json, "check_option"))
        o->check_option = get_text(d, json, "check_option", 1, 1)[0];
}

static void get_domain(struct decoder *d, const json_t *json, struct object *o)
{
    o->domain = table_of(d, json, o);
    o->domain->is_domain = true;
    get_checks(d, json, o->domain);
    if (o->domain->n_columns != 1)
        bad(d, "columns");
}

static void get_enum(struct decoder *d, const json_t *json, struct object *o)
{
    const json_t *a;
    o->array_id = get_id(d, json, "array_id");
    o->n_labels = get_array(d, json, "labels", MAX_OBJECTS, &a);
    o->labels = ARENA_ARRAY(d->arena, struct object_label, o->n_labels + 1);
    for (int i = 0; i < o->n_labels; i++) {
        const json_t *l = json_array_get(a, (size_t)i);
        o->labels[i] = (struct object_label){.name = get_text(d, l, "name", 0, CATALOG_NAME_MAX),
                                             .value = get_int(d, l, "value", INT64_MIN, INT64_MAX),
                                             .id = get_id(d, l, "id")};
        if (i && o->labels[i].value <= o->labels[i - 1].value)
            bad(d, "labels");
    }
}

struct error *catalog__decode_object(const struct coord_kv *kv, struct record **ret)
{
    json_t *json;
    struct record *r;
    struct decoder d;
    uint64_t id = 0;
    TRY(open_record(kv, sizeof(struct object), &json, &r, &d));
    struct object *o = (struct object *)r->payload;
    o->id = (uint64_t)get_int(&d, json, "id", 1, INT64_MAX);
    o->kind = get_kind(&d, json);
    o->database = get_database(&d, json);
    o->schema = get_text(&d, json, "schema", 0, CATALOG_NAME_MAX);
    o->name = get_name(&d, json);
    o->version = (uint64_t)get_int(&d, json, "version", 1, INT64_MAX);
    o->comment = get_comment(&d, json);
    o->dropped = json_is_true(json_object_get(json, "dropped"));
    o->colocated = json_is_true(json_object_get(json, "colocated"));
    if (o->kind == OBJ_VIEW)
        get_view(&d, json, o);
    if (o->kind == OBJ_ENUM)
        get_enum(&d, json, o);
    if (o->kind == OBJ_DOMAIN)
        get_domain(&d, json, o);
    if (o->kind == OBJ_COMPOSITE) {
        o->array_id = get_id(&d, json, "array_id");
        o->attributes = table_of(&d, json, o);
    }
    if (!catalog__key_id(kv->key, KEY_OBJECTS, &id) || id != o->id)
        bad(&d, "id");
    TRY(close_record(kv, json, &d, &r));
    if (catalog__is_type(o))
        catalog__make_type(o);
    *ret = r;
    return NULL;
}

/* ---- regions and servers ------------------------------------------------------------------ */

static int get_servers(struct decoder *d, const json_t *o, const char *name, char **ret)
{
    const json_t *a;
    int n = get_array(d, o, name, CATALOG_MAX_COPIES, &a);
    for (int i = 0; i < n; i++)
        ret[i] = take_text(d, json_array_get(a, (size_t)i), name, 1, CATALOG_NAME_MAX);
    return n;
}

/* A server holds a region once. */
static void check_members(struct decoder *d, const struct region *r)
{
    const char *all[3 * CATALOG_MAX_COPIES];
    int n = 0;
    all[n++] = r->primary;
    for (int i = 0; i < r->n_backups; i++)
        all[n++] = r->backups[i];
    for (int i = 0; i < r->n_learners; i++)
        all[n++] = r->learners[i];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            if (strcmp(all[i], all[j]) == 0)
                bad(d, "a server that is named twice");
}

struct error *catalog__decode_region(const struct coord_kv *kv, struct record **ret)
{
    json_t *o;
    struct record *rec;
    struct decoder d;
    uint64_t id = 0;
    TRY(open_record(kv, sizeof(struct region), &o, &rec, &d));
    struct region *r = (struct region *)rec->payload;
    r->id = (uint64_t)get_int(&d, o, "id", 1, INT64_MAX);
    r->epoch = (uint64_t)get_int(&d, o, "epoch", 1, INT64_MAX);
    r->schema_version = (uint64_t)get_int(&d, o, "schema_version", 0, INT64_MAX);
    r->copies = (int)get_int(&d, o, "copies", 1, CATALOG_MAX_COPIES);
    r->primary = get_text(&d, o, "primary", 1, CATALOG_NAME_MAX);
    r->n_backups = get_servers(&d, o, "backups", r->backups);
    r->n_learners = get_servers(&d, o, "learners", r->learners);
    r->n_former = get_servers(&d, o, "former", r->former);
    if (json_object_get(o, "leaving"))
        r->leaving = get_text(&d, o, "leaving", 1, CATALOG_NAME_MAX);
    if (json_object_get(o, "provisional"))
        r->provisional = get_text(&d, o, "provisional", 1, CATALOG_NAME_MAX + 48);
    r->revision = kv->mod_revision;
    check_members(&d, r);
    if (!catalog__key_id(kv->key, KEY_REGIONS, &id) || id != r->id)
        bad(&d, "id");
    TRY(close_record(kv, o, &d, &rec));
    *ret = rec;
    return NULL;
}

struct error *catalog__decode_sequence(const struct coord_kv *kv, struct record **ret)
{
    json_t *o;
    struct record *rec;
    struct decoder d;
    uint64_t id = 0;
    TRY(open_record(kv, sizeof(struct sequence), &o, &rec, &d));
    struct sequence *s = (struct sequence *)rec->payload;
    s->id = (uint64_t)get_int(&d, o, "id", 1, INT64_MAX);
    s->schema = get_text(&d, o, "schema", 1, CATALOG_NAME_MAX);
    s->name = get_name(&d, o);
    s->type = (uint32_t)get_int(&d, o, "type", 1, UINT32_MAX);
    s->increment = get_int(&d, o, "increment", INT64_MIN, INT64_MAX);
    s->min = get_int(&d, o, "min", INT64_MIN, INT64_MAX);
    s->max = get_int(&d, o, "max", INT64_MIN, INT64_MAX);
    s->start = get_int(&d, o, "start", s->min, s->max);
    s->last = get_int(&d, o, "last", s->min, s->max);
    s->cache = get_int(&d, o, "cache", 1, INT64_MAX);
    s->cycle = get_bool(&d, o, "cycle");
    s->called = get_bool(&d, o, "called");
    s->generation = get_id(&d, o, "generation");
    s->comment = get_comment(&d, o);
    s->database = get_database(&d, o);
    s->revision = kv->mod_revision;
    if (s->type != OID_INT2 && s->type != OID_INT4 && s->type != OID_INT8)
        bad(&d, "type");
    if (s->increment == 0 || s->min >= s->max)
        bad(&d, "increment");
    if (!catalog__key_id(kv->key, KEY_SEQUENCES, &id) || id != s->id)
        bad(&d, "id");
    TRY(close_record(kv, o, &d, &rec));
    *ret = rec;
    return NULL;
}

/* "gateway,region,master"; roles that only a newer version knows are passed over */
static void take_roles(const char *roles, struct server *s)
{
    for (const char *p = roles; *p;) {
        size_t n = strcspn(p, ",");
        s->gateway |= n == 7 && memcmp(p, "gateway", 7) == 0;
        s->region |= n == 6 && memcmp(p, "region", 6) == 0;
        s->master |= n == 6 && memcmp(p, "master", 6) == 0;
        p += n + (p[n] == ',');
    }
}

struct error *catalog__decode_server(const struct coord_kv *kv, struct record **ret)
{
    json_t *o;
    struct record *rec;
    struct decoder d;
    TRY(open_record(kv, sizeof(struct server), &o, &rec, &d));
    struct server *s = (struct server *)rec->payload;
    const char *name = kv->key + strlen(KEY_SERVERS);
    if (!*name || strlen(name) > CATALOG_NAME_MAX)
        bad(&d, "name");
    s->name = arena_strdup(d.arena, name);
    s->address = get_text(&d, o, "address", 3, 300);
    take_roles(get_text(&d, o, "roles", 0, 300), s);
    s->started = (uint64_t)get_int(&d, o, "started", 0, INT64_MAX);
    s->incarnation = (uint64_t)get_int(&d, o, "incarnation", 0, INT64_MAX);
    s->leaving = json_is_true(json_object_get(o, "leaving"));
    const json_t *info = json_object_get(o, "info");
    s->tables = get_int(&d, info, "tableNum", 0, INT64_MAX);
    s->records = get_int(&d, info, "recordNum", 0, INT64_MAX);
    s->bytes = get_int(&d, info, "load", 0, INT64_MAX);
    s->disk_failed = json_is_true(json_object_get(info, "diskFailed"));
    TRY(close_record(kv, o, &d, &rec));
    *ret = rec;
    return NULL;
}

struct error *catalog__decode_cluster(const struct coord_kv *kv, uint64_t *ret_id)
{
    json_t *o = json_loadb(kv->value, kv->value_len, 0, NULL);
    struct decoder d = {0};
    int64_t id = get_int(&d, o, "id", 1, INT64_MAX);
    int64_t format = get_int(&d, o, "format", 1, INT64_MAX);
    json_decref(o);
    if (d.wrong)
        return damaged(kv->key, d.wrong);
    if (format > CATALOG_FORMAT)
        return error_hint(
            error_new(E_UNSUPPORTED, "the cluster has format %lld, this server knows %d",
                      (long long)format, CATALOG_FORMAT),
            "It was written by a newer version; run that version or a newer one here, too.");
    *ret_id = (uint64_t)id;
    return NULL;
}
