/*
 * COMMENT ON. A comment is a part of the record of what it is on: of a table, or of the table that
 * a column, an index, a constraint belongs to; of a view, type, schema, database; of a sequence. So
 * it goes where that goes. The statement is a change of that record.
 */
#include "sql_int.h"

/* What the comment is on. One of the three is set. */
struct place {
    const struct table *table;
    const struct object *object;
    const struct sequence *sequence;
};

static char *text_of(struct analysis *a, const CommentStmt *n)
{
    return n->comment && *n->comment ? arena_strdup(a->arena, n->comment) : NULL;
}

static struct error *refuse(struct analysis *a, const char *what)
{
    return sql__unsupported(a, -1, "Leave it out.", "comments on %s are not supported", what);
}

/* ---- changes of records --------------------------------------------------------------------- */

static struct error *change_table(struct analysis *a, const struct table *t, struct table **ret)
{
    struct query *q = a->q;
    if (t->id == 0)
        return refuse(a, "system tables");
    q->kind = QUERY_COMMENT;
    q->tag = "COMMENT";
    q->writes = true;
    q->alter_table.table = t;
    q->alter_table.next = *ret = table_copy(t, a->arena);
    return NULL;
}

static struct object *change_object(struct analysis *a, const struct object *old)
{
    struct object *next = object_copy(old, a->arena);
    sql__change_objects(a, "COMMENT");
    sql__change_object(a, old, next);
    return next;
}

static void change_sequence(struct analysis *a, const struct sequence *old, char *comment)
{
    struct query *q = a->q;
    struct sequence *next = ARENA_NEW(a->arena, struct sequence);
    *next = *old;
    next->comment = comment;
    q->kind = QUERY_ALTER_SEQUENCE;
    q->tag = "COMMENT";
    q->writes = true;
    q->sequence.old = old;
    q->sequence.next = next;
}

/* ---- relations ------------------------------------------------------------------------------ */

static struct error *find(const struct analysis *a, const RangeVar *rv, struct place *ret)
{
    if (rv->schemaname && !rv->catalogname && !catalog_schema(a->ctx->view, rv->schemaname))
        return sql__no_schema(rv->schemaname);
    struct error *e = sql__find_source(a, rv, &ret->table, &ret->object);
    if (!e || !(ret->sequence = sql__lookup_sequence(a, rv)))
        return e;
    error_free(e);
    return NULL;
}

static struct error *on_relation(struct analysis *a, const CommentStmt *n)
{
    static const struct {
        ObjectType type;
        const char *what;
    } kinds[] = {{OBJECT_TABLE, "a table"},
                 {OBJECT_VIEW, "a view"},
                 {OBJECT_SEQUENCE, "a sequence"},
                 {OBJECT_MATVIEW, "a materialized view"}};
    RangeVar rv = sql__range_var((const List *)n->object);
    struct place p = {0};
    const struct index *x;
    struct error *e = find(a, &rv, &p);
    bool other = e && (sql__lookup_index(a, &rv, &x) || sql__lookup_key(a, &rv));
    if (e && !other)
        return e;
    error_free(e);
    bool materialized = p.table && p.table->query;
    const void *const found[] = {materialized ? NULL : p.table, p.object, p.sequence,
                                 materialized ? p.table : NULL};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].type == n->objtype && !found[i])
            return error_new("42809", "\"%s\" is not %s", rv.relname, kinds[i].what);
    struct table *next = NULL;
    if (p.sequence)
        change_sequence(a, p.sequence, text_of(a, n));
    else if (p.object)
        change_object(a, p.object)->comment = text_of(a, n);
    else {
        TRY(change_table(a, p.table, &next));
        next->comment = text_of(a, n);
    }
    return NULL;
}

static struct error *on_column(struct analysis *a, const CommentStmt *n)
{
    const List *names = (const List *)n->object;
    int count = list_length(names);
    if (count < 2)
        return error_new(E_SYNTAX, "column name must be qualified");
    RangeVar rv = {.relname = strVal(list_nth(names, count - 2)), .location = -1};
    if (count > 2)
        rv.schemaname = strVal(list_nth(names, count - 3));
    if (count > 3)
        rv.catalogname = strVal(list_nth(names, count - 4));
    struct place p = {0};
    struct table *next = NULL;
    TRY(find(a, &rv, &p));
    if (p.sequence)
        return error_detail(error_new("42809", "cannot set comment on relation \"%s\"", rv.relname),
                            "This operation is not supported for sequences.");
    const char *name = strVal(llast(names));
    int c = table_column(p.table ? p.table : p.object->relation, name);
    if (c < 0)
        return error_new(E_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist",
                         name, rv.relname);
    if (p.object)
        next = change_object(a, p.object)->relation;
    else
        TRY(change_table(a, p.table, &next));
    next->columns[c].comment = text_of(a, n);
    return NULL;
}

/* ---- indexes and constraints ---------------------------------------------------------------- */

static struct error *on_index(struct analysis *a, const CommentStmt *n)
{
    RangeVar rv = sql__range_var((const List *)n->object);
    const struct index *x = NULL;
    const struct table *t = sql__lookup_key(a, &rv);
    struct place p = {0};
    struct table *next = NULL;
    if (!t)
        t = sql__lookup_index(a, &rv, &x);
    if (!t) {
        TRY(find(a, &rv, &p));
        return error_new("42809", "\"%s\" is not an index", rv.relname);
    }
    TRY(change_table(a, t, &next));
    for (int i = 0; i < t->n_indexes && x; i++)
        if (&t->indexes[i] == x)
            next->indexes[i].comment = text_of(a, n);
    for (int i = 0; i < t->n_keys && !x; i++)
        if (strcmp(t->keys[i].name, rv.relname) == 0)
            next->keys[i].index_comment = text_of(a, n);
    return NULL;
}

/* The comment of the constraint of that name; NULL: there is none. */
static char **constraint_comment(struct table *t, const char *name)
{
    for (int i = 0; i < t->n_keys; i++)
        if (strcmp(t->keys[i].name, name) == 0)
            return &t->keys[i].comment;
    for (int i = 0; i < t->n_checks; i++)
        if (strcmp(t->checks[i].name, name) == 0)
            return &t->checks[i].comment;
    for (int i = 0; i < t->n_foreign_keys; i++)
        if (strcmp(t->foreign_keys[i].name, name) == 0)
            return &t->foreign_keys[i].comment;
    return NULL;
}

static struct error *on_constraint(struct analysis *a, const CommentStmt *n)
{
    const List *names = (const List *)n->object;
    int count = list_length(names);
    const char *name = strVal(llast(names));
    RangeVar rv = {.relname = strVal(list_nth(names, count - 2)), .location = -1};
    if (count > 2)
        rv.schemaname = strVal(list_nth(names, count - 3));
    struct place p = {0};
    struct table *next = NULL;
    TRY(find(a, &rv, &p));
    if (p.table)
        TRY(change_table(a, p.table, &next));
    char **comment = next ? constraint_comment(next, name) : NULL;
    if (!comment)
        return error_new(E_UNDEFINED_OBJECT, "constraint \"%s\" for table \"%s\" does not exist",
                         name, rv.relname);
    *comment = text_of(a, n);
    return NULL;
}

/* ---- schemas, databases, types -------------------------------------------------------------- */

/* A record that says it of what has none of its own. Gone, it is what it was at first. */
static void on_recordless(struct analysis *a, const char *name, uint64_t database, char *comment)
{
    const struct catalog_view *v = catalog_of_database(a->ctx->view, database);
    const struct object *old = catalog_object(v, OBJ_COMMENT, "", name);
    if (old) {
        change_object(a, old)->comment = comment;
        return;
    }
    struct object *o = sql__new_object(a, OBJ_COMMENT, "", name);
    o->database = database;
    o->comment = comment;
    sql__change_objects(a, "COMMENT");
    sql__change_object(a, NULL, o);
}

static struct error *on_schema(struct analysis *a, const CommentStmt *n)
{
    const char *name = strVal(n->object);
    const struct object *o = catalog_object(a->ctx->view, OBJ_SCHEMA, "", name);
    if (!catalog_schema(a->ctx->view, name))
        return sql__no_schema(name);
    if (o)
        change_object(a, o)->comment = text_of(a, n);
    else if (strcmp(name, "public") == 0)
        on_recordless(a, CATALOG_ON_PUBLIC, a->ctx->view->database, text_of(a, n));
    else
        return refuse(a, "system schemas");
    return NULL;
}

static void no_database(struct analysis *a, const char *name)
{
    sql__notice(a, "3D000", NULL, "database \"%s\" does not exist", name);
    a->q->notices[a->q->n_notices - 1].warning = true;
}

/* PostgreSQL lets a dump of one database be restored into another. */
static struct error *on_database(struct analysis *a, const CommentStmt *n)
{
    const char *name = strVal(n->object);
    const struct object *o = catalog_object(a->ctx->view, OBJ_DATABASE, "", name);
    uint64_t id;
    sql__change_objects(a, "COMMENT");
    if (!catalog_database(a->ctx->view, name, &id))
        no_database(a, name);
    else if (o)
        change_object(a, o)->comment = text_of(a, n);
    else
        on_recordless(a, CATALOG_ON_DATABASE, id, text_of(a, n));
    return NULL;
}

static struct error *on_type(struct analysis *a, const CommentStmt *n)
{
    const TypeName *name = (const TypeName *)n->object;
    const struct object *o = sql__lookup_type(a, name->names);
    const struct type *type = NULL;
    int32_t typmod;
    if (!o) {
        TypeName nowhere = *name;
        nowhere.location = -1;
        TRY(sql__type_name(a, &nowhere, &type, &typmod, NULL));
        return refuse(a, "the system's types");
    }
    change_object(a, o)->comment = text_of(a, n);
    return NULL;
}

static struct error *on_domain_constraint(struct analysis *a, const CommentStmt *n)
{
    const List *names = (const List *)n->object;
    const struct object *o;
    TRY(sql__find_type(a, ((const TypeName *)linitial(names))->names, &o));
    struct object *next = change_object(a, o);
    for (int i = 0; next->domain && i < next->domain->n_checks; i++)
        if (strcmp(next->domain->checks[i].name, strVal(llast(names))) == 0) {
            next->domain->checks[i].comment = text_of(a, n);
            return NULL;
        }
    return error_new(E_UNDEFINED_OBJECT, "constraint \"%s\" for domain %s does not exist",
                     strVal(llast(names)), sql__shown_name(a, o->schema, o->name));
}

struct error *sql__comment(struct analysis *a, const CommentStmt *n)
{
    static const struct {
        ObjectType type;
        struct error *(*run)(struct analysis *a, const CommentStmt *n);
    } kinds[] = {{OBJECT_TABLE, on_relation},
                 {OBJECT_VIEW, on_relation},
                 {OBJECT_MATVIEW, on_relation},
                 {OBJECT_COLUMN, on_column},
                 {OBJECT_SEQUENCE, on_relation},
                 {OBJECT_INDEX, on_index},
                 {OBJECT_TABCONSTRAINT, on_constraint},
                 {OBJECT_SCHEMA, on_schema},
                 {OBJECT_TYPE, on_type},
                 {OBJECT_DOMAIN, on_type},
                 {OBJECT_DOMCONSTRAINT, on_domain_constraint},
                 {OBJECT_DATABASE, on_database}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].type == n->objtype)
            return kinds[i].run(a, n);
    return refuse(a, "this kind of object");
}
