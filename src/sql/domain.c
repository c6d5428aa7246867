/*
 * Domains: CREATE, ALTER, and what a value goes through on becoming one.
 *
 * An expression or a column of a domain has the type beneath it, which a domain never changes, and
 * beside that, as `domain`, the domain: as a typmod does, it travels with columns, subqueries and
 * what chooses among equals, and is lost by every function. So nobody but casts and assignments
 * need know of domains, and they call minisql_domain() (types/domain.c), with NOT NULL and checks
 * as SQLite text, unless the value has the domain already.
 *
 * The checks are kept in the catalog alone. ALTER DOMAIN asks the rows of the tables that have
 * columns of it in a transaction that holds their regions and raises their versions, so that no
 * statement that was analysed before writes there. ADD .. NOT VALID only raises the versions; after
 * that VALIDATE has no more to do than to read.
 */
#include "sql_int.h"

/* As it is from now on. */
static const struct object *domain_now(const struct analysis *a, uint32_t oid)
{
    const struct object *o = catalog_domain(a->ctx->view, oid);
    return o && o == a->domain_was ? a->domain_is : o;
}

/* ---- a value ---------------------------------------------------------------------------------
 */

static void put_text(const char *s, struct buf *out)
{
    sql_emit_value(&(struct value){.kind = VALUE_TEXT, .s = {s, strlen(s)}}, OID_TEXT, out);
}

static void put_violation(const struct analysis *a, const struct object *o, const char *check,
                          struct buf *out)
{
    const char *const names[] = {sql__shown_name(a, o->schema, o->name), o->schema, o->name};
    buf_puts(out, " THEN minisql_domain_violated(");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        put_text(names[i], out);
        buf_puts(out, ", ");
    }
    if (check)
        put_text(check, out);
    else
        buf_puts(out, "NULL");
    buf_puts(out, ")");
}

static bool as_parameter(void *ctx, const struct expr *e, struct buf *out)
{
    (void)ctx;
    if (e->kind == EXPR_COLUMN)
        buf_puts(out, "?1");
    return e->kind == EXPR_COLUMN;
}

/* VALUE is the only column of the domain as a table. */
static void value_scope(struct analysis *a, const struct table *t, struct scope *s)
{
    *s = (struct scope){.clause = CLAUSE_DOMAIN};
    sql__add_item(a, s, sql__base_rte(a, t, "", -1))->table_visible = false;
}

static struct error *stored_check(const struct analysis *a, const struct table *t, const char *sql,
                                  struct expr **ret)
{
    struct analysis own = {.ctx = a->ctx,
                           .path = a->path,
                           .arena = a->arena,
                           .script = a->script,
                           .q = ARENA_NEW(a->arena, struct query),
                           .depth = a->depth};
    struct scope s;
    own.q->style = a->q->style;
    value_scope(&own, t, &s);
    TRY(sql__stored_expr(&own, &s, sql, ret));
    return sql__boolean(&own, *ret, "CHECK", ret);
}

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct check *)x)->name, ((const struct check *)y)->name);
}

/* Those of the domain that this one is over go first. */
static struct error *put_checks(struct analysis *a, const struct object *o, const struct object *of,
                                struct buf *out)
{
    static const struct sql_emit how = {.expr = as_parameter};
    const struct object *over = domain_now(a, of->domain->columns[0].domain);
    const struct table *t = of->domain;
    struct check *checks = ARENA_ARRAY(a->arena, struct check, t->n_checks + 1);
    TRY(sql__enter(a, -1));
    if (over)
        TRY(put_checks(a, o, over, out));
    for (int i = 0; i < t->n_checks; i++)
        checks[i] = t->checks[i];
    qsort(checks, (size_t)t->n_checks, sizeof(*checks), by_name);
    for (int i = 0; i < t->n_checks; i++) {
        struct expr *e;
        TRY(stored_check(a, t, checks[i].sql, &e));
        buf_puts(out, " WHEN NOT (");
        sql_emit_expr(e, &how, out);
        buf_puts(out, ")");
        put_violation(a, o, checks[i].name, out);
    }
    sql__leave(a);
    return NULL;
}

struct domain_text {
    const struct object *domain;
    const char *text; /* "": there is nothing to check */
};

static struct error *text_of(struct analysis *a, const struct object *o, const char **ret)
{
    _cleanup_(buf_done) struct buf b = {0};
    bool not_null = false;
    for (int i = 0; i < a->domains.n; i++) {
        const struct domain_text *known = a->domains.items[i];
        *ret = known->text;
        if (known->domain == o)
            return NULL;
    }
    for (const struct object *d = o; d; d = domain_now(a, d->domain->columns[0].domain))
        not_null |= d->domain->columns[0].not_null;
    if (not_null) {
        buf_puts(&b, " WHEN ?1 IS NULL");
        put_violation(a, o, NULL, &b);
    }
    TRY(put_checks(a, o, o, &b));
    struct domain_text *made = ARENA_NEW(a->arena, struct domain_text);
    *made = (struct domain_text){o, b.len ? arena_printf(a->arena, "CASE%s END", b.data) : ""};
    sql__push(a->arena, &a->domains, made);
    *ret = made->text;
    return NULL;
}

struct error *sql__to_domain(struct analysis *a, struct expr *e, uint32_t domain, struct expr **ret)
{
    const struct object *o = domain_now(a, domain);
    const char *text;
    *ret = e;
    if (!domain || e->domain == domain)
        return NULL;
    if (!o)
        return error_new(E_UNDEFINED_OBJECT, "type with OID %u does not exist", domain);
    TRY(text_of(a, o, &text));
    struct expr *call =
        sql__new_expr(a, *text ? EXPR_FUNC : EXPR_CAST, e->type, e->position - 1, *text ? 2 : 1);
    call->args[0] = e;
    if (*text) {
        call->args[1] = sql__const(
            a, OID_TEXT, (struct value){.kind = VALUE_TEXT, .s = {text, strlen(text)}}, -1);
        call->call.func = domain_func();
    }
    call->typmod = e->typmod;
    call->domain = domain;
    *ret = call;
    return NULL;
}

void sql__param_domain(struct analysis *a, const struct expr *e, uint32_t domain)
{
    if (e->kind == EXPR_PARAM && e->param > 0 && e->type == OID_UNKNOWN && !a->params[e->param - 1])
        a->param_domains[e->param - 1] = domain;
}

struct error *sql__param_of_domain(struct analysis *a, struct expr *e, uint32_t domain,
                                   struct expr **ret)
{
    const struct object *o = domain_now(a, domain);
    *ret = e;
    if (!o)
        return NULL;
    const struct column *c = &o->domain->columns[0];
    TRY(sql__coerce(a, e, c->type, c->typmod, CAST_ASSIGNMENT, &e));
    return sql__to_domain(a, e, domain, ret);
}

uint32_t sql__domain_beneath(const struct analysis *a, uint32_t domain)
{
    const struct object *o = domain_now(a, domain);
    return o ? o->domain->columns[0].type : 0;
}

const struct column *sql__domain_default(const struct analysis *a, const struct column *c)
{
    const struct object *o;
    while ((o = domain_now(a, c->domain))) {
        c = &o->domain->columns[0];
        if (c->default_sql)
            return c;
    }
    return NULL;
}

uint32_t sql__common_domain(struct expr *const *exprs, int n)
{
    for (int i = 1; i < n; i++)
        if (exprs[i]->domain != exprs[0]->domain)
            return 0;
    return n ? exprs[0]->domain : 0;
}

/* ---- constraints -----------------------------------------------------------------------------
 */

static int check_named(const struct table *t, const char *name)
{
    for (int i = 0; i < t->n_checks; i++)
        if (strcmp(t->checks[i].name, name) == 0)
            return i;
    return -1;
}

static struct error *name_check(struct analysis *a, const struct table *t, const Constraint *n,
                                char **ret)
{
    if (n->conname) {
        *ret = arena_strdup(a->arena, n->conname);
        if (check_named(t, n->conname) < 0)
            return NULL;
        return error_new("42710", "constraint \"%s\" for domain \"%s\" already exists", n->conname,
                         t->name);
    }
    *ret = sql__make_name(a, t->name, NULL, "check");
    for (int i = 1; check_named(t, *ret) >= 0; i++)
        *ret = sql__make_name(a, t->name, NULL, arena_printf(a->arena, "check%d", i));
    return NULL;
}

static struct error *add_check(struct analysis *a, struct table *t, const Constraint *n)
{
    struct check *checks = ARENA_ARRAY(a->arena, struct check, t->n_checks + 1);
    struct scope s;
    struct expr *e;
    char *name;
    int rtes = a->rtes.n, hidden = a->hidden.n;
    if (n->is_no_inherit)
        return error_new("42P17", "check constraints for domains cannot be marked NO INHERIT");
    TRY(name_check(a, t, n, &name));
    value_scope(a, t, &s);
    TRY(sql__expr(a, &s, n->raw_expr, &e));
    TRY(sql__boolean(a, e, "CHECK", &e));
    a->rtes.n = rtes;
    if (a->hidden.n > hidden || a->q->system)
        return sql__unsupported(a, n->location, "Compare with a constant.",
                                "CHECK may not hang on the time, the user or the catalog");
    for (int i = 0; i < t->n_checks; i++)
        checks[i] = t->checks[i];
    checks[t->n_checks++] = (struct check){
        .name = name, .sql = sql__check_text(a, n->location), .not_valid = n->skip_validation};
    t->checks = checks;
    return NULL;
}

static struct error *not_possible(const struct analysis *a, const Constraint *n)
{
    static const struct {
        ConstrType type;
        const char *sqlstate, *message;
    } all[] = {
        {CONSTR_UNIQUE, E_SYNTAX, "unique constraints not possible for domains"},
        {CONSTR_PRIMARY, E_SYNTAX, "primary key constraints not possible for domains"},
        {CONSTR_EXCLUSION, E_SYNTAX, "exclusion constraints not possible for domains"},
        {CONSTR_FOREIGN, E_SYNTAX, "foreign key constraints not possible for domains"},
        {CONSTR_GENERATED, E_UNSUPPORTED, "specifying GENERATED not supported for domains"},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].type == n->contype)
            return error_new(all[i].sqlstate, "%s", all[i].message);
    (void)a;
    return error_new(E_UNSUPPORTED,
                     "specifying constraint deferrability not supported for domains");
}

/* ---- CREATE DOMAIN ---------------------------------------------------------------------------
 */

static struct error *take_constraint(struct analysis *a, struct table *t, const Constraint *n,
                                     int *null)
{
    struct column *c = &t->columns[0];
    switch (n->contype) {
    case CONSTR_DEFAULT:
        if (c->default_sql)
            return error_new(E_SYNTAX, "multiple default expressions");
        return sql__take_default(a, t, 0, n->raw_expr, n->location);
    case CONSTR_NOTNULL:
    case CONSTR_NULL:
        if (*null && *null != (int)n->contype + 1)
            return error_new(E_SYNTAX, "conflicting NULL/NOT NULL constraints");
        *null = (int)n->contype + 1;
        c->not_null = n->contype == CONSTR_NOTNULL;
        return NULL;
    case CONSTR_CHECK:
        return add_check(a, t, n);
    default:
        return not_possible(a, n);
    }
}

static struct error *create(struct analysis *a, const CreateDomainStmt *n)
{
    RangeVar rv = sql__range_var(n->domainname);
    const struct type *type;
    struct column *c = ARENA_NEW(a->arena, struct column);
    char *schema;
    int null = 0;
    sql__change_objects(a, "CREATE DOMAIN");
    TRY(sql__target_schema(a, &rv, &schema));
    TRY(sql__type_taken(a, schema, rv.relname));
    *c = (struct column){.name = arena_strdup(a->arena, "value"), .typmod = -1};
    TRY(sql__type_name(a, n->typeName, &type, &c->typmod, &c->domain));
    if (!type->column)
        return sql__unsupported(a, n->typeName->location, "Use another type.",
                                "a domain over type %s is not supported", type->sql_name);
    const ColumnDef as_column = {
        .type = T_ColumnDef, .typeName = n->typeName, .collClause = n->collClause};
    TRY(sql__check_column_type(a, &as_column, type));
    struct object *o = sql__new_object(a, OBJ_DOMAIN, schema, rv.relname);
    c->type = type->oid;
    o->domain = ARENA_NEW(a->arena, struct table);
    *o->domain = (struct table){.schema = o->schema,
                                .name = o->name,
                                .database = o->database,
                                .is_domain = true,
                                .n_columns = 1,
                                .columns = c};
    for (int i = 0; i < list_length(n->constraints); i++)
        TRY(take_constraint(a, o->domain, list_nth(n->constraints, i), &null));
    a->hidden.n = 0; /* of the default */
    sql__change_object(a, NULL, o);
    return NULL;
}

/* PostgreSQL tells no places here. */
struct error *sql__create_domain(struct analysis *a, const CreateDomainStmt *n)
{
    struct error *e = create(a, n);
    if (e)
        e->position = 0;
    return e;
}

/* ---- ALTER DOMAIN ----------------------------------------------------------------------------
 */

/* Is the column's domain this one, or over it? */
static bool hangs_on(const struct catalog_view *v, uint32_t domain, const struct object *o)
{
    for (const struct object *d; (d = catalog_domain(v, domain));
         domain = d->domain->columns[0].domain)
        if (d->id == o->id)
            return true;
    return false;
}

/* What becomes of the rows that are there. */
struct question {
    const char *condition; /* over "value": PostgreSQL text */
    const char *sqlstate, *what;
    bool hold; /* nobody writes them until it is done; else it is so already */
};

static void ask_column(struct analysis *a, const struct table *t, int column,
                       const struct question *q)
{
    const struct column *c = &t->columns[column];
    struct buf b = {0};
    if (q->hold)
        sql__also_changed(a, t);
    buf_puts(&b, "SELECT 1 FROM (SELECT ");
    sql_quote(c->name, &b);
    buf_puts(&b, " AS value FROM ");
    buf_puts(&b, sql_relation_text(t->schema, t->name, a->arena));
    buf_printf(&b, ") x WHERE NOT (%s)", q->condition);
    sql__ask_rows(a, &(struct alter_check){
                         .table = t,
                         .query = arena_strdup(a->arena, b.data),
                         .sqlstate = q->sqlstate,
                         .message = arena_printf(a->arena, "column \"%s\" of table \"%s\" %s",
                                                 c->name, t->name, q->what),
                         .column = c->name});
    buf_done(&b);
}

/* Tables with columns of the domain, and which; those of other sessions are not known. */
struct use {
    const struct table *table;
    int column;
};

static void uses_of(struct analysis *a, const struct object *o, struct list *ret)
{
    const struct catalog_view *v = a->ctx->view;
    for (size_t i = 0; i < v->n_tables; i++)
        for (int c = 0; c < v->tables[i]->n_columns && !table_is_temporary(v->tables[i]); c++)
            if (hangs_on(v, v->tables[i]->columns[c].domain, o)) {
                struct use *u = ARENA_NEW(a->arena, struct use);
                *u = (struct use){v->tables[i], c};
                sql__push(a->arena, ret, u);
            }
}

static void ask(struct analysis *a, const struct object *o, const struct question *q)
{
    struct list uses = {0};
    uses_of(a, o, &uses);
    for (int i = 0; i < uses.n; i++) {
        const struct use *u = uses.items[i];
        ask_column(a, u->table, u->column, q);
    }
}

/* Nothing that was analysed before writes there from now on. */
static void outdate(struct analysis *a, const struct object *o)
{
    struct list uses = {0};
    uses_of(a, o, &uses);
    a->q->objects.moves = ARENA_ARRAY(a->arena, const struct table *, uses.n + 1);
    for (int i = 0; i < uses.n; i++)
        a->q->objects.moves[i] = ((const struct use *)uses.items[i])->table;
    a->q->objects.n_moves = uses.n;
    a->q->objects.schema = NULL;
}

/* What foreign keys' actions put into columns of it is checked by triggers, whose texts have the
 * checks: see foreign_key.c. */
static struct error *watch_anew(struct analysis *a, const struct object *old,
                                const struct object *next)
{
    struct query *q = a->q;
    struct list uses = {0};
    a->domain_was = old;
    a->domain_is = next;
    uses_of(a, old, &uses);
    for (int i = 0; i < uses.n; i++) {
        const struct table *t = ((const struct use *)uses.items[i])->table;
        if (!t->triggers)
            continue;
        TRY(sql__table_text(a, sql__also_changed(a, t)));
        int kept = 0;
        for (int k = 0; k < q->objects.n_moves; k++)
            if (q->objects.moves[k] != t)
                q->objects.moves[kept++] = q->objects.moves[k];
        q->objects.n_moves = kept;
    }
    return NULL;
}

static const char violated[] = "contains values that violate the new constraint";

static struct error *no_constraint(const struct object *o, const char *name)
{
    return error_new(E_UNDEFINED_OBJECT, "constraint \"%s\" of domain \"%s\" does not exist", name,
                     o->name);
}

static struct error *set_default(struct analysis *a, struct table *t, const Node *n)
{
    t->columns[0].default_sql = NULL;
    t->columns[0].default_id = 0;
    t->columns[0].sequence = 0;
    if (!n)
        return NULL;
    TRY(sql__set_default(a, t, 0, n));
    a->hidden.n = 0;
    return NULL;
}

static struct error *set_not_null(struct analysis *a, const struct object *old, struct object *next,
                                  bool not_null)
{
    if (not_null && !old->domain->columns[0].not_null)
        ask(a, old,
            &(struct question){"value IS NOT NULL", E_NOT_NULL, "contains null values", true});
    next->domain->columns[0].not_null = not_null;
    return NULL;
}

static struct error *add_constraint(struct analysis *a, const struct object *old,
                                    struct object *next, const Constraint *n)
{
    if (n->contype != CONSTR_CHECK)
        return not_possible(a, n);
    TRY(add_check(a, next->domain, n));
    const struct check *c = &next->domain->checks[next->domain->n_checks - 1];
    if (c->not_valid)
        outdate(a, old);
    else
        ask(a, old, &(struct question){c->sql, E_CHECK, violated, true});
    return NULL;
}

static struct error *drop_constraint(struct analysis *a, struct object *next, const char *name,
                                     bool missing_ok)
{
    struct table *t = next->domain;
    int at = check_named(t, name);
    if (at < 0 && !missing_ok)
        return no_constraint(next, name);
    if (at < 0)
        sql__notice(a, "00000", NULL, "constraint \"%s\" of domain \"%s\" does not exist, skipping",
                    name, next->name);
    for (int i = at; at >= 0 && i + 1 < t->n_checks; i++)
        t->checks[i] = t->checks[i + 1];
    t->n_checks -= at >= 0;
    return NULL;
}

static struct error *validate(struct analysis *a, const struct object *old, struct object *next,
                              const char *name)
{
    int at = check_named(next->domain, name);
    if (at < 0)
        return no_constraint(next, name);
    if (next->domain->checks[at].not_valid)
        ask(a, old, &(struct question){next->domain->checks[at].sql, E_CHECK, violated, false});
    next->domain->checks[at].not_valid = false;
    return NULL;
}

static struct error *find_domain(const struct analysis *a, const List *names,
                                 const struct object **ret)
{
    TRY(sql__find_type(a, names, ret));
    return (*ret)->kind == OBJ_DOMAIN ? NULL
                                      : error_new("42809", "%s is not a domain",
                                                  sql__shown_name(a, (*ret)->schema, (*ret)->name));
}

struct error *sql__alter_domain(struct analysis *a, const AlterDomainStmt *n)
{
    const struct object *old;
    struct error *e = NULL;
    sql__change_objects(a, "ALTER DOMAIN");
    TRY(find_domain(a, n->typeName, &old));
    struct object *next = object_copy(old, a->arena);
    switch (n->subtype) {
    case 'T':
        e = set_default(a, next->domain, n->def);
        break;
    case 'N':
    case 'O':
        e = set_not_null(a, old, next, n->subtype == 'O');
        break;
    case 'C':
        e = add_constraint(a, old, next, (const Constraint *)n->def);
        break;
    case 'X':
        e = drop_constraint(a, next, n->name, n->missing_ok);
        break;
    case 'V':
        e = validate(a, old, next, n->name);
        break;
    default:
        return sql__unsupported(a, -1, "See docs/compatibility.md for what there is.",
                                "this form of ALTER DOMAIN is not supported");
    }
    TRY(e);
    TRY(watch_anew(a, old, next));
    sql__change_object(a, old, next);
    return NULL;
}

struct error *sql__rename_domain_constraint(struct analysis *a, const RenameStmt *n)
{
    const struct object *old;
    sql__change_objects(a, "ALTER DOMAIN");
    TRY(find_domain(a, (const List *)n->object, &old));
    struct object *next = object_copy(old, a->arena);
    int at = check_named(next->domain, n->subname);
    if (at < 0)
        return error_new(E_UNDEFINED_OBJECT, "constraint \"%s\" for domain %s does not exist",
                         n->subname, sql__shown_name(a, old->schema, old->name));
    if (check_named(next->domain, n->newname) >= 0)
        return error_new("42710", "constraint \"%s\" for domain %s already exists", n->newname,
                         sql__shown_name(a, old->schema, old->name));
    next->domain->checks[at].name = arena_strdup(a->arena, n->newname);
    TRY(watch_anew(a, old, next));
    sql__change_object(a, old, next);
    return NULL;
}
