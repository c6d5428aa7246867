/*
 * CREATE, ALTER and DROP SEQUENCE, the sequences behind serial and identity columns, and nextval()
 * and its kin in expressions: where the sequence is named by a constant, as it nearly always is,
 * its object id stands in the call from here on, so that a renamed sequence stays the default of
 * its columns.
 */
#include "sql_int.h"

#include <ctype.h>

/* ---- names -------------------------------------------------------------------------------------
 */

static struct error *bad_name(void)
{
    return error_new("42602", "invalid name syntax");
}

/* One identifier off the text: quoted as it is, else in lower case. */
static struct error *identifier(const char **at, const char *end, struct arena *a, char **ret)
{
    const char *p = *at;
    char *out = arena_alloc(a, (size_t)(end - p) + 1), *to = out;
    if (p < end && *p == '"') {
        for (p++; p < end && (*p != '"' || (p + 1 < end && p[1] == '"')); p++) {
            if (*p == '"')
                p++;
            *to++ = *p;
        }
        if (p++ == end)
            return bad_name();
    } else {
        for (; p < end && *p != '.' && *p != '"' && !isspace((unsigned char)*p); p++)
            *to++ = (char)(*p >= 'A' && *p <= 'Z' ? *p | 0x20 : *p);
    }
    *to = 0;
    *at = p;
    *ret = out;
    return to == out ? bad_name() : NULL;
}

static void skip_blanks(const char **p, const char *end)
{
    while (*p < end && isspace((unsigned char)**p))
        (*p)++;
}

struct error *sql_relation_name(const char *text, size_t len, struct arena *a, char **ret_schema,
                                char **ret_name)
{
    const char *p = text, *end = text + len;
    char *parts[3];
    int n = 0;
    for (;;) {
        skip_blanks(&p, end);
        TRY(identifier(&p, end, a, &parts[n++]));
        skip_blanks(&p, end);
        if (p == end)
            break;
        if (*p++ != '.')
            return bad_name();
        if (n == 3)
            return error_new(E_SYNTAX, "improper relation name (too many dotted names): %.*s",
                             (int)len, text);
    }
    *ret_name = parts[n - 1];
    *ret_schema = n > 1 ? parts[n - 2] : NULL;
    return NULL;
}

/* The same for a name in a statement, by its search path. */
static struct error *find(const struct analysis *a, const RangeVar *rv, const struct sequence **ret)
{
    const struct index *x;
    const char *schema = rv->schemaname, *name = rv->relname;
    *ret = sql__lookup_sequence(a, rv);
    if (*ret)
        return NULL;
    if (sql__lookup_table(a, rv) || sql__lookup_index(a, rv, &x) || sql__lookup_key(a, rv))
        return error_new("42809", "\"%s\" is not a sequence", name);
    return sql__undefined_relation(schema, name);
}

struct error *sql_find_sequence(const struct catalog_view *v, const char *schema,
                                const char *const *path, int n, const char *name,
                                const struct sequence **ret)
{
    *ret = NULL;
    for (int i = 0; i < (schema ? 1 : n); i++) {
        const char *in = schema ? schema : path[i];
        if ((*ret = catalog_sequence(v, in, name)))
            return NULL;
        if (catalog_table(v, in, name) || catalog_index(v, in, name, NULL))
            return error_new("42809", "\"%s\" is not a sequence", name);
    }
    return sql__undefined_relation(schema, name);
}

char *sql_relation_text(const char *schema, const char *name, struct arena *a)
{
    struct buf b = {0};
    sql_quote_identifier(schema, &b);
    buf_puts(&b, ".");
    sql_quote_identifier(name, &b);
    char *text = arena_strdup(a, b.data);
    buf_done(&b);
    return text;
}

/* ---- calls -------------------------------------------------------------------------------------
 */

bool sql__names_sequence(const char *function)
{
    return strcmp(function, "nextval") == 0 || strcmp(function, "currval") == 0 ||
           strcmp(function, "setval") == 0;
}

const Node *sql__without_regclass(const Node *n)
{
    if (!IsA(n, TypeCast))
        return n;
    const TypeCast *c = (const TypeCast *)n;
    return strcmp(strVal(llast(c->typeName->names)), "regclass") == 0 ? c->arg : n;
}

static void will_draw(struct analysis *a, uint64_t id)
{
    struct query *q = a->q;
    for (int i = 0; i < q->n_sequences; i++) {
        if (q->sequences[i] == id)
            return;
    }
    uint64_t *all = ARENA_ARRAY(a->arena, uint64_t, q->n_sequences + 1);
    for (int i = 0; i < q->n_sequences; i++)
        all[i] = q->sequences[i];
    all[q->n_sequences++] = id;
    q->sequences = all;
}

const struct sequence *sql__sequence_of(const struct analysis *a, uint64_t id)
{
    const struct list *new = a->new_sequences;
    if (id < CATALOG_NEW_SEQUENCE || !new)
        return a->ctx->view ? catalog_sequence_by_id(a->ctx->view, id) : NULL;
    return id < CATALOG_NEW_SEQUENCE + (uint64_t) new->n ? new->items[id - CATALOG_NEW_SEQUENCE]
                                                         : NULL;
}

static bool sees(const struct sql_path *path, const char *schema)
{
    bool seen = sql__is_temporary(schema);
    for (int i = 0; i < path->n; i++)
        seen |= strcmp(path->schemas[i], schema) == 0;
    return seen;
}

/* The one that the statement makes. */
static bool find_new(const struct analysis *a, const RangeVar *rv, uint64_t *ret)
{
    const struct list *new = a->new_sequences;
    for (int i = 0; new &&i < new->n; i++) {
        const struct sequence *s = new->items[i];
        bool meant =
            rv->schemaname ? strcmp(rv->schemaname, s->schema) == 0 : sees(a->path, s->schema);
        if (meant && strcmp(s->name, rv->relname) == 0) {
            *ret = CATALOG_NEW_SEQUENCE + (uint64_t)i;
            return true;
        }
    }
    return false;
}

struct error *sql__sequence_argument(struct analysis *a, const char *function, struct expr **arg)
{
    const struct expr *e = *arg;
    char *schema, *name;
    const struct sequence *s;
    uint64_t id = 0;
    if (e->kind != EXPR_CONST || e->value.kind != VALUE_TEXT) {
        a->q->system |= e->kind != EXPR_CONST; /* the name is looked up in the session's path */
        return NULL;
    }
    struct error *err = sql_relation_name(e->value.s.p, e->value.s.n, a->arena, &schema, &name);
    const RangeVar rv = {.schemaname = schema, .relname = name};
    if (!err && !find_new(a, &rv, &id)) {
        err = find(a, &rv, &s);
        id = err ? 0 : s->id;
        if (!err) {
            sql__note_sequence(a, s);
            a->q->system |= sql__is_temporary(s->schema); /* no region has it */
        }
    }
    if (err) /* 42809 is found when the function runs */
        return error_is(err, "42809") ? err : sql__at(a, err, e->position - 1);
    if (strcmp(function, "nextval") == 0)
        will_draw(a, id);
    *arg = sql__const_int(a, OID_REGCLASS, catalog_oid(id));
    return NULL;
}

struct error *sql__next_value(struct analysis *a, uint64_t sequence, struct expr **ret)
{
    const uint32_t types[1] = {OID_REGCLASS};
    struct expr *call = sql__new_expr(a, EXPR_FUNC, OID_INT8, -1, 1);
    call->args[0] = sql__const_int(a, OID_REGCLASS, catalog_oid(sequence));
    TRY(func_resolve("nextval", FUNC_SCALAR, types, 1, &call->call.func));
    a->q->volatile_ = true;
    will_draw(a, sequence);
    *ret = call;
    return NULL;
}

/* The sequence when e is nothing but its next value; 0: it is something else. */
uint64_t sql__is_next_value(const struct analysis *a, const struct expr *e)
{
    if (e->kind != EXPR_FUNC || strcmp(e->call.func->name, "nextval") != 0 ||
        e->args[0]->kind != EXPR_CONST || e->args[0]->value.kind != VALUE_INT)
        return 0;
    for (int i = 0; a->new_sequences && i < a->new_sequences->n; i++)
        if (catalog_oid(CATALOG_NEW_SEQUENCE + (uint64_t)i) == e->args[0]->value.i)
            return CATALOG_NEW_SEQUENCE + (uint64_t)i;
    for (size_t i = 0; a->ctx->view && i < a->ctx->view->n_sequences; i++) {
        const struct sequence *s = a->ctx->view->sequences[i];
        if (catalog_oid(s->id) == e->args[0]->value.i)
            return s->id;
    }
    return 0;
}

char *sql_next_value_text(const char *schema, const char *name, struct arena *a)
{
    const char *text = sql_relation_text(schema, name, a);
    if (strcmp(schema, "public") == 0)
        text += strlen("public.");
    struct value v = {.kind = VALUE_TEXT, .s = {text, strlen(text)}};
    struct buf b = {0};
    sql_emit_value(&v, OID_TEXT, &b);
    char *sql = arena_printf(a, "nextval(%s::regclass)", b.data);
    buf_done(&b);
    return sql;
}

/* ---- options ------------------------------------------------------------------------------------
 */

struct limits {
    int64_t min, max;
};

static struct limits limits_of(uint32_t type)
{
    return type == OID_INT2   ? (struct limits){INT16_MIN, INT16_MAX}
           : type == OID_INT4 ? (struct limits){INT32_MIN, INT32_MAX}
                              : (struct limits){INT64_MIN, INT64_MAX};
}

static struct error *number(const struct analysis *a, const DefElem *d, int64_t *ret)
{
    if (IsA(d->arg, Integer)) {
        *ret = intVal(d->arg);
        return NULL;
    }
    const char *text = castNode(Float, d->arg)->fval;
    char *end;
    errno = 0;
    *ret = strtoll(text, &end, 10);
    if (errno == 0 && !*end)
        return NULL;
    if (errno == ERANGE && !*end)
        return error_new(E_OUT_OF_RANGE, "value \"%s\" is out of range for type bigint", text);
    return sql__at(a, error_new(E_BAD_TEXT, "invalid input syntax for type bigint: \"%s\"", text),
                   d->location);
}

/* Those that were said, each at most once. */
struct options {
    const DefElem *type, *increment, *cycle, *max, *min, *start, *restart, *cache, *owned, *name;
};

static struct error *read_options(const struct analysis *a, const List *list, struct options *o)
{
    const struct {
        const char *name;
        const DefElem **to;
    } known[] = {{"as", &o->type},           {"increment", &o->increment}, {"cycle", &o->cycle},
                 {"maxvalue", &o->max},      {"minvalue", &o->min},        {"start", &o->start},
                 {"restart", &o->restart},   {"cache", &o->cache},         {"owned_by", &o->owned},
                 {"sequence_name", &o->name}};
    for (int i = 0; i < list_length(list); i++) {
        const DefElem *d = list_nth(list, i);
        size_t k = 0;
        while (k < ARRAY_LEN(known) && strcmp(known[k].name, d->defname) != 0)
            k++;
        if (k == ARRAY_LEN(known))
            return sql__unsupported(a, d->location, "Leave it out.",
                                    "option \"%s\" of a sequence is not supported", d->defname);
        if (*known[k].to)
            return sql__at(a, error_new(E_SYNTAX, "conflicting or redundant options"), d->location);
        *known[k].to = d;
    }
    return NULL;
}

static struct error *sequence_type(const struct analysis *a, const struct options *o, bool identity,
                                   struct sequence *s)
{
    const struct type *t;
    int32_t typmod;
    if (!o->type)
        return NULL;
    TRY(sql__type_name(a, (const TypeName *)(const void *)o->type->arg, &t, &typmod, NULL));
    if (t->oid != OID_INT2 && t->oid != OID_INT4 && t->oid != OID_INT8)
        return error_new("22023", identity
                                      ? "identity column type must be smallint, integer, or bigint"
                                      : "sequence type must be smallint, integer, or bigint");
    s->type = t->oid;
    return NULL;
}

/* MAXVALUE or MINVALUE. `d` NULL: not said; without a value: NO MAXVALUE. retyped: it was the old
 * type's, and becomes the new one's. */
static struct error *bound(const struct analysis *a, const DefElem *d, bool made, bool retyped,
                           bool upper, struct sequence *s)
{
    const struct limits l = limits_of(s->type);
    int64_t *to = upper ? &s->max : &s->min;
    if (d && d->arg)
        TRY(number(a, d, to));
    else if (retyped)
        *to = upper ? l.max : l.min;
    else if (d || made)
        *to = upper ? (s->increment > 0 ? l.max : -1) : (s->increment > 0 ? 1 : l.min);
    if (*to < l.min || *to > l.max)
        return error_new("22023", "%s (%lld) is out of range for sequence data type %s",
                         upper ? "MAXVALUE" : "MINVALUE", (long long)*to, sql__type(a, s->type));
    return NULL;
}

static struct error *within(const struct sequence *s, int64_t v, const char *what)
{
    if (v < s->min)
        return error_new("22023", "%s value (%lld) cannot be less than MINVALUE (%lld)", what,
                         (long long)v, (long long)s->min);
    if (v > s->max)
        return error_new("22023", "%s value (%lld) cannot be greater than MAXVALUE (%lld)", what,
                         (long long)v, (long long)s->max);
    return NULL;
}

/* Applies them to *s; old NULL: it is made. */
static struct error *apply(struct analysis *a, const struct options *o, const struct sequence *old,
                           bool identity, struct sequence *s, bool *ret_restart)
{
    const struct limits was = limits_of(old ? old->type : s->type);
    TRY(sequence_type(a, o, identity, s));
    bool retyped = old && o->type && s->type != old->type;
    if (o->increment)
        TRY(number(a, o->increment, &s->increment));
    if (s->increment == 0)
        return error_new("22023", "INCREMENT must not be zero");
    if (o->cycle)
        s->cycle = boolVal(o->cycle->arg);
    TRY(bound(a, o->max, !old, retyped && old->max == was.max, true, s));
    TRY(bound(a, o->min, !old, retyped && old->min == was.min, false, s));
    if (s->min >= s->max)
        return error_new("22023", "MINVALUE (%lld) must be less than MAXVALUE (%lld)",
                         (long long)s->min, (long long)s->max);
    if (o->start)
        TRY(number(a, o->start, &s->start));
    else if (!old)
        s->start = s->increment > 0 ? s->min : s->max;
    TRY(within(s, s->start, "START"));
    if (!old)
        s->last = s->start;
    if (o->restart) {
        s->last = s->start;
        if (o->restart->arg)
            TRY(number(a, o->restart, &s->last));
        s->called = false;
        *ret_restart = true;
    }
    if (o->restart)
        TRY(within(s, s->last, "RESTART"));
    if (o->cache)
        TRY(number(a, o->cache, &s->cache));
    if (s->cache < 1)
        return error_new("22023", "CACHE (%lld) must be greater than zero", (long long)s->cache);
    return NULL;
}

static struct error *owner(struct analysis *a, const DefElem *d)
{
    struct query *q = a->q;
    if (!d)
        return NULL;
    const List *names = (const List *)(const void *)d->arg;
    int n = list_length(names);
    q->sequence.own = true;
    if (n == 1 && strcmp(strVal(linitial(names)), "none") == 0)
        return NULL;
    if (n == 1)
        return error_hint(error_new(E_SYNTAX, "invalid OWNED BY option"),
                          "Specify OWNED BY table.column or OWNED BY NONE.");
    RangeVar rv = {.relname = strVal(list_nth(names, n - 2)), .location = -1};
    if (n > 2)
        rv.schemaname = strVal(list_nth(names, n - 3));
    TRY(sql__find_relation(a, &rv, &q->sequence.owner));
    if (!q->sequence.owner->id || strcmp(q->sequence.owner->schema, q->sequence.next->schema) != 0)
        return error_new("55000", "sequence must be in same schema as table it is linked to");
    const char *column = strVal(llast(names));
    q->sequence.column = table_column(q->sequence.owner, column);
    if (q->sequence.column < 0)
        return error_new(E_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist",
                         column, q->sequence.owner->name);
    return NULL;
}

/* ---- statements ---------------------------------------------------------------------------------
 */

static struct sequence *new_sequence(struct analysis *a, const char *schema, const char *name)
{
    struct sequence *s = ARENA_NEW(a->arena, struct sequence);
    *s = (struct sequence){.schema = arena_strdup(a->arena, schema),
                           .name = arena_strdup(a->arena, name),
                           .database = a->ctx->view ? a->ctx->view->database : 0,
                           .type = OID_INT8,
                           .increment = 1,
                           .cache = 1};
    return s;
}

struct error *sql__create_sequence(struct analysis *a, const CreateSeqStmt *n)
{
    struct query *q = a->q;
    struct options o = {0};
    bool restart = false;
    q->kind = QUERY_CREATE_SEQUENCE;
    q->tag = "CREATE SEQUENCE";
    q->writes = true;
    char *schema;
    RangeVar nowhere = *n->sequence; /* PostgreSQL tells no position */
    nowhere.location = -1;
    TRY(sql__table_schema(a, &nowhere, &schema));
    TRY(sql__check_identifier(a, "sequence", n->sequence->relname, n->sequence->location));
    struct sequence *s = q->sequence.next = new_sequence(a, schema, n->sequence->relname);
    q->sequence.exists = sql__relation_exists(a, s->schema, s->name);
    if (q->sequence.exists && !n->if_not_exists)
        return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists", s->name);
    if (q->sequence.exists) {
        sql__notice(a, E_DUPLICATE_TABLE, NULL, "relation \"%s\" already exists, skipping",
                    s->name);
        return NULL;
    }
    TRY(read_options(a, n->options, &o));
    TRY(apply(a, &o, NULL, false, s, &restart));
    if (o.owned && sql__is_temporary(s->schema))
        return sql__unsupported(a, o.owned->location, "Use a serial column.",
                                "OWNED BY of temporary sequences is not supported");
    return owner(a, o.owned);
}

/* An identity column's sequence goes where the column goes. */
static struct error *check_identity(const struct analysis *a, const struct sequence *s)
{
    int column;
    const struct table *t = catalog_sequence_owner(a->ctx->view, s->id, &column);
    if (!t || !t->columns[column].identity || t->columns[column].sequence != s->id)
        return NULL;
    return error_detail(error_new(E_UNSUPPORTED, "cannot change ownership of identity sequence"),
                        "Sequence \"%s\" is linked to table \"%s\".", s->name, t->name);
}

struct error *sql__alter_sequence(struct analysis *a, const AlterSeqStmt *n)
{
    struct query *q = a->q;
    struct options o = {0};
    q->kind = QUERY_ALTER_SEQUENCE;
    q->tag = "ALTER SEQUENCE";
    q->writes = true;
    struct error *e = find(a, n->sequence, &q->sequence.old);
    if (error_is(e, E_UNDEFINED_TABLE) && n->missing_ok) {
        error_free(e);
        sql__notice(a, "00000", NULL, "relation \"%s\" does not exist, skipping",
                    n->sequence->relname);
        return NULL;
    }
    TRY(e);
    struct sequence *s = q->sequence.next = ARENA_NEW(a->arena, struct sequence);
    *s = *q->sequence.old;
    TRY(read_options(a, n->options, &o));
    if (o.owned)
        TRY(check_identity(a, s));
    TRY(apply(a, &o, q->sequence.old, n->for_identity, s, &q->sequence.restart));
    return owner(a, o.owned);
}

/* The sequence that the same statement makes for the column. */
static struct sequence *new_sequence_of(const struct analysis *a, const struct table *t, int column)
{
    int made = 0;
    for (int i = 0; i < t->n_owned; i++) {
        if (t->owned[i].sequence)
            continue;
        if (t->owned[i].column == column)
            return &a->q->alter_table.sequences[made];
        made++;
    }
    return NULL;
}

struct error *sql__alter_identity(struct analysis *a, const struct table *t, int column,
                                  const List *options)
{
    struct query *q = a->q;
    struct options o = {0};
    struct sequence *made = new_sequence_of(a, t, column);
    if (made) {
        struct sequence old = *made;
        bool restarts = false;
        TRY(read_options(a, options, &o));
        return apply(a, &o, &old, true, made, &restarts);
    }
    uint64_t id = t->columns[column].sequence;
    int n = q->alter_table.n_altered, at = 0;
    struct sequence_change *all = ARENA_ARRAY(a->arena, struct sequence_change, n + 1);
    struct sequence *s = ARENA_NEW(a->arena, struct sequence);
    for (int i = 0; i < n; i++)
        all[i] = q->alter_table.altered[i];
    while (at < n && all[at].old->id != id)
        at++;
    if (at == n)
        all[n].old = all[n].next = catalog_sequence_by_id(a->ctx->view, id);
    struct sequence_change *x = &all[at];
    if (!x->old)
        return error_new(E_STALE_SCHEMA, "the sequence of the column was dropped meanwhile");
    bool restart = false;
    *s = *x->next;
    TRY(read_options(a, options, &o));
    TRY(apply(a, &o, x->next, true, s, &restart));
    x->next = s;
    x->restart |= restart;
    q->alter_table.altered = all;
    q->alter_table.n_altered = MAX(n, at + 1);
    return NULL;
}

/* Views have its name in their text, where it can't be told from another text. */
struct error *sql__sequence_keeps_name(struct analysis *a, const struct sequence *s,
                                       const char *what)
{
    return sql__rename_in_views(
        a, &(struct new_name){.id = s->id, .schema = s->schema, .column = -1, .what = what});
}

const char *sql__describe_sequence(const struct analysis *a, const struct sequence *s)
{
    return arena_printf(a->arena, "sequence %s", sql__shown_name(a, s->schema, s->name));
}

struct error *sql__rename_sequence(struct analysis *a, const RenameStmt *n)
{
    struct query *q = a->q;
    q->kind = QUERY_ALTER_SEQUENCE;
    q->tag = "ALTER SEQUENCE";
    q->writes = true;
    struct error *e = find(a, n->relation, &q->sequence.old);
    if (error_is(e, E_UNDEFINED_TABLE) && n->missing_ok) {
        error_free(e);
        sql__notice(a, "00000", NULL, "relation \"%s\" does not exist, skipping",
                    n->relation->relname);
        return NULL;
    }
    TRY(e);
    TRY(sql__check_identifier(a, "sequence", n->newname, -1));
    if (sql__relation_exists(a, q->sequence.old->schema, n->newname))
        return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists", n->newname);
    q->sequence.next = ARENA_NEW(a->arena, struct sequence);
    *q->sequence.next = *q->sequence.old;
    q->sequence.next->name = arena_strdup(a->arena, n->newname);
    return sql__sequence_keeps_name(a, q->sequence.old, "renaming a sequence");
}

struct error *sql__move_sequence(struct analysis *a, const AlterObjectSchemaStmt *n)
{
    struct query *q = a->q;
    int column;
    q->kind = QUERY_ALTER_SEQUENCE;
    q->tag = "ALTER SEQUENCE";
    q->writes = true;
    struct error *e = find(a, n->relation, &q->sequence.old);
    if (error_is(e, E_UNDEFINED_TABLE) && n->missing_ok) {
        error_free(e);
        sql__notice(a, "00000", NULL, "relation \"%s\" does not exist, skipping",
                    n->relation->relname);
        return NULL;
    }
    TRY(e);
    const struct sequence *s = q->sequence.old;
    const struct table *t = catalog_sequence_owner(a->ctx->view, s->id, &column);
    if (t)
        return error_detail(
            error_new(E_UNSUPPORTED, "cannot move an owned sequence into another schema"),
            "Sequence \"%s\" is linked to table \"%s\".", s->name, t->name);
    if (sql__is_temporary(n->newschema))
        return error_new(E_UNSUPPORTED, "cannot move objects into or out of temporary schemas");
    TRY(sql__check_schema(a, n->newschema));
    if (strcmp(s->schema, n->newschema) != 0 && sql__relation_exists(a, n->newschema, s->name))
        return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists in schema \"%s\"",
                         s->name, n->newschema);
    q->sequence.next = ARENA_NEW(a->arena, struct sequence);
    *q->sequence.next = *s;
    q->sequence.next->schema = arena_strdup(a->arena, n->newschema);
    return sql__sequence_keeps_name(a, s, "moving a sequence");
}

/* An identity column's sequence goes with the column only. */
static struct error *check_not_identity(const struct analysis *a, const struct sequence *s)
{
    int column;
    const struct table *t = catalog_sequence_owner(a->ctx->view, s->id, &column);
    if (!t || !t->columns[column].identity || t->columns[column].sequence != s->id)
        return NULL;
    const char *name = t->columns[column].name, *table = sql__shown_name(a, t->schema, t->name);
    return error_hint(error_new("2BP01",
                                "cannot drop sequence %s because column %s of table %s requires it",
                                sql__shown_name(a, s->schema, s->name), name, table),
                      "You can drop column %s of table %s instead.", name, table);
}

/* Is the default its next value, or computed with that? */
static bool default_draws(struct analysis *a, const struct column *c, uint64_t sequence)
{
    struct query *q = a->q;
    struct scope s = {.clause = CLAUSE_DEFAULT};
    struct expr *e;
    if (c->sequence || !c->default_sql || c->generated || !strcasestr(c->default_sql, "nextval"))
        return c->sequence == sequence;
    q->n_sequences = 0;
    error_free(sql__stored_expr(a, &s, c->default_sql, &e)); /* that of another is gone */
    for (int i = 0; i < q->n_sequences; i++)
        if (q->sequences[i] == sequence)
            return true;
    return false;
}

/* Defaults that hang on it; with CASCADE they go. */
static struct error *drop_defaults(struct analysis *a, const struct sequence *s, bool cascade,
                                   struct dependents *deps)
{
    const struct catalog_view *v = a->ctx->view;
    const char *on = sql__describe_sequence(a, s);
    for (size_t i = 0; i < v->n_tables; i++) {
        const struct table *t = v->tables[i];
        struct table *next = NULL;
        for (int c = 0; c < t->n_columns; c++) {
            if (!default_draws(a, &t->columns[c], s->id))
                continue;
            sql__depends(a, deps, t->columns[c].default_id,
                         arena_printf(a->arena, "default value for column %s of table %s",
                                      t->columns[c].name, sql__shown_name(a, t->schema, t->name)),
                         on);
            if (!cascade)
                continue;
            if (table_is_temporary(t))
                return sql__unsupported(a, -1, "Drop the column's default first.",
                                        "DROP SEQUENCE ... CASCADE cannot drop the default of "
                                        "column %s of temporary table %s",
                                        t->columns[c].name, t->name);
            next = sql__also_changed(a, t);
            next->columns[c].default_sql = NULL;
            next->columns[c].sequence = next->columns[c].default_id = 0;
        }
        if (next)
            TRY(sql__table_text(a, next));
    }
    for (size_t i = 0; i < v->n_objects; i++) {
        const struct object *o = v->objects[i];
        if (!o->domain || !default_draws(a, &o->domain->columns[0], s->id))
            continue;
        const char *domain = sql__describe_type(a, o);
        if (cascade)
            return sql__unsupported(a, -1, "Drop its default first.",
                                    "DROP SEQUENCE ... CASCADE cannot drop %s", domain);
        sql__depends(a, deps, o->id, domain, on);
    }
    return NULL;
}

/* With views the statement is a change of objects. */
static struct error *drop_views(struct analysis *a, const struct list *views)
{
    struct query *q = a->q;
    const struct sequence **sequences = q->drop.sequences;
    int n = q->drop.n, column;
    for (int i = 0; i < n; i++)
        if (catalog_sequence_owner(a->ctx->view, sequences[i]->id, &column))
            return sql__unsupported(a, -1, "Drop the views first.",
                                    "DROP SEQUENCE ... CASCADE cannot drop %s",
                                    sql__describe_view(a, views->items[0]));
    memset(&q->objects, 0, sizeof(q->objects));
    sql__change_objects(a, q->tag);
    for (int i = 0; i < n; i++)
        sql__drop_sequence_with(a, sequences[i]);
    for (int i = 0; i < views->n; i++)
        sql__drop_view_with(a, views->items[i]);
    return NULL;
}

struct error *sql__drop_with_sequences(struct analysis *a, int named)
{
    struct query *q = a->q;
    struct list views = {0};
    struct dependents deps = {0};
    for (int i = q->drop.n - 1; i >= 0; i--) {
        const struct sequence *s = q->drop.sequences[i];
        TRY(drop_defaults(a, s, q->drop.cascade, &deps));
        sql__views_on(a, s->id, sql__describe_sequence(a, s), &views, &deps);
        deps.group++;
    }
    q->n_sequences = 0;
    q->volatile_ = false;
    if (deps.list.n && !q->drop.cascade)
        return sql__has_dependents(
            a, named > 1 ? NULL : sql__describe_sequence(a, q->drop.sequences[0]), &deps);
    if (views.n)
        TRY(drop_views(a, &views));
    sql__tell_cascade(a, &deps);
    return NULL;
}

struct error *sql__drop_sequence(struct analysis *a, const RangeVar *rv, bool missing_ok)
{
    struct query *q = a->q;
    const struct sequence *s;
    struct error *e = find(a, rv, &s);
    if (error_is(e, E_UNDEFINED_TABLE)) {
        error_free(e);
        if (!missing_ok)
            return error_new(E_UNDEFINED_TABLE, "sequence \"%s\" does not exist", rv->relname);
        sql__notice(a, "00000", NULL, "sequence \"%s\" does not exist, skipping", rv->relname);
        return NULL;
    }
    if (e)
        return error_hint(e, "Use DROP TABLE to remove a table.");
    TRY(check_not_identity(a, s));
    for (int i = 0; i < q->drop.n; i++) {
        if (q->drop.sequences[i] == s)
            return NULL;
    }
    q->drop.sequences[q->drop.n++] = s;
    return NULL;
}

/* ---- columns ------------------------------------------------------------------------------------
 */

uint32_t sql__serial_type(const TypeName *n)
{
    static const struct {
        const char *name;
        uint32_t type;
    } serials[] = {{"serial", OID_INT4},  {"serial4", OID_INT4},     {"bigserial", OID_INT8},
                   {"serial8", OID_INT8}, {"smallserial", OID_INT2}, {"serial2", OID_INT2}};
    if (list_length(n->names) != 1 || n->arrayBounds)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(serials); i++) {
        if (strcmp(strVal(linitial(n->names)), serials[i].name) == 0)
            return serials[i].type;
    }
    return 0;
}

static bool sequence_name_taken(const struct analysis *a, const struct list *sequences,
                                const struct table *t, const char *name)
{
    if (sql__relation_exists(a, t->schema, name) || strcmp(t->name, name) == 0)
        return true;
    for (int i = 0; i < sequences->n; i++) {
        if (strcmp(((const struct sequence *)sequences->items[i])->name, name) == 0)
            return true;
    }
    return false;
}

struct error *sql__column_sequence(struct analysis *a, struct list *sequences,
                                   const struct table *t, const struct column *c,
                                   const List *options, struct sequence **ret)
{
    struct options o = {0};
    bool restart = false, identity = c->identity != 0;
    TRY(read_options(a, options, &o));
    char *name = sql__make_name(a, t->name, c->name, "seq");
    for (int i = 1; !o.name && sequence_name_taken(a, sequences, t, name); i++)
        name = sql__make_name(a, t->name, c->name, arena_printf(a->arena, "seq%d", i));
    if (o.name)
        name = strVal(llast((const List *)(const void *)o.name->arg));
    struct sequence *s = new_sequence(a, t->schema, name);
    s->type = c->type;
    if (o.type)
        return sql__at(a, error_new(E_SYNTAX, "conflicting or redundant options"),
                       o.type->location);
    if (c->type != OID_INT2 && c->type != OID_INT4 && c->type != OID_INT8)
        return error_new("22023", "identity column type must be smallint, integer, or bigint");
    TRY(apply(a, &o, NULL, identity, s, &restart));
    sql__push(a->arena, sequences, s);
    *ret = s;
    return NULL;
}

/* ---- SELECT .. FROM a sequence ------------------------------------------------------------------
 */

const struct table *sql__sequence_table(struct analysis *a, const RangeVar *rv)
{
    static const struct {
        const char *name;
        uint32_t type;
    } names[] = {{"last_value", OID_INT8}, {"log_cnt", OID_INT8}, {"is_called", OID_BOOL}};
    const struct sequence *s = sql__lookup_sequence(a, rv);
    if (!s)
        return NULL;
    struct table *t = ARENA_NEW(a->arena, struct table);
    t->schema = s->schema;
    t->name = s->name;
    t->n_columns = ARRAY_LEN(names);
    t->columns = ARENA_ARRAY(a->arena, struct column, t->n_columns);
    for (int i = 0; i < t->n_columns; i++)
        t->columns[i] = (struct column){.name = arena_strdup(a->arena, names[i].name),
                                        .type = names[i].type,
                                        .typmod = -1,
                                        .not_null = true};
    t->n_owned = 1; /* which sequence it is the row of */
    t->owned = ARENA_NEW(a->arena, struct owned_sequence);
    t->owned->sequence = s->id;
    sql__note_sequence(a, s);
    return t;
}
