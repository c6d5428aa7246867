/*
 * Views.
 *
 * A view is kept as PostgreSQL text: its SELECT, in which each table is written with its schema and
 * each star as the columns that it stood for, so that neither the search_path nor a column that is
 * added later changes what it means. Beside it stand the columns that it has, and which columns of
 * which tables and views it reads. What would break that (renaming or dropping one of them) is
 * refused, or takes the view along.
 *
 * A statement that names a view gets its SELECT as a subquery in FROM, analysed on the spot.
 */
#include "sql_int.h"

#include "lex.h"

/* What is noted while the SELECT of a new view is analysed. */
struct edit {
    size_t start, end; /* bytes of the parsed text */
    const char *text;
};

struct source {
    uint64_t id;
    const struct rte *rte; /* of a type or a sequence: none */
    struct edit *edit;     /* of its name; NULL: it can't be edited */
    bool is_type, aliased;
};

struct view_draft {
    struct list edits, sources;
    bool temporary;  /* it reads what is */
    const char *why; /* something in it hangs on what a text can't fix; NULL: nothing does */
};

static bool is_name(const struct token *t, const char *name)
{
    _cleanup_(buf_done) struct buf quoted = {0};
    sql_quote(name, &quoted);
    return (t->kind == TOKEN_QUOTED && t->len == quoted.len &&
            memcmp(t->start, quoted.data, t->len) == 0) ||
           sql__is_word(t, name);
}

static void put_qualified(const char *first, const char *second, struct buf *out)
{
    sql_quote(first, out);
    buf_puts(out, ".");
    sql_quote(second, out);
}

/* ---- notes ---------------------------------------------------------------------------------- */

static struct edit *note_edit(struct analysis *a, size_t start, size_t end, const char *text)
{
    struct edit *e = ARENA_NEW(a->arena, struct edit);
    *e = (struct edit){start, end, arena_strdup(a->arena, text)};
    sql__push(a->arena, &a->view->edits, e);
    return e;
}

/* Where a dotted name ends that begins at `location`; stars are part of it. */
size_t sql__end_of_name(const struct analysis *a, int location)
{
    const char *text = a->script->parsed, *end = text + strlen(text);
    const char *p = text + location, *last;
    struct token t;
    for (;;) {
        p = last = sql__lex(p, end, &t);
        const char *next = sql__lex(p, end, &t);
        if (t.kind != TOKEN_PUNCTUATION || *t.start != '.')
            return (size_t)(last - text);
        p = next;
    }
}

void sql__note_source(struct analysis *a, const RangeVar *rv, uint64_t id, const char *schema,
                      const char *name, const struct rte *r)
{
    if (!a->view || rv->location < 0)
        return;
    struct buf b = {0};
    put_qualified(schema, name, &b);
    struct source *s = ARENA_NEW(a->arena, struct source);
    *s = (struct source){.id = id, .rte = r, .aliased = rv->alias != NULL};
    s->edit = note_edit(a, (size_t)rv->location, sql__end_of_name(a, rv->location), b.data);
    buf_done(&b);
    sql__push(a->arena, &a->view->sources, s);
    a->view->temporary |= strcmp(schema, CATALOG_TEMP_SCHEMA) == 0;
}

static const struct rte no_rte;

/* Is this what stands there? A name that the analyser made up has a place that means another. */
static bool stands_at(const struct analysis *a, int location, const char *name)
{
    const char *text = a->script->parsed, *end = text + strlen(text);
    struct token t, last;
    if (location < 0 || location >= end - text)
        return false;
    const char *p = sql__lex(text + location, end, &t);
    for (;;) { /* the last part of a dotted name */
        last = t;
        const char *next = sql__lex(p, end, &t);
        if (t.kind != TOKEN_PUNCTUATION || *t.start != '.')
            return is_name(&last, name);
        p = sql__lex(next, end, &t);
    }
}

void sql__note_type(struct analysis *a, const TypeName *n, const struct object *o)
{
    if (!a->view)
        return;
    struct source *s = ARENA_NEW(a->arena, struct source);
    *s = (struct source){.id = o->id, .rte = &no_rte, .is_type = true};
    sql__push(a->arena, &a->view->sources, s);
    const char *name = strVal(llast(n->names));
    if (!stands_at(a, n->location, name))
        return;
    struct buf b = {0};
    put_qualified(o->schema, o->name, &b);
    buf_puts(&b, strcmp(name, o->name) == 0 ? "" : "[]"); /* _mood is mood[] */
    s->edit = note_edit(a, (size_t)n->location, sql__end_of_name(a, n->location), b.data);
    buf_done(&b);
}

/* A value of it is asked for, or its row. */
void sql__note_sequence(struct analysis *a, const struct sequence *sequence)
{
    if (!a->view || sql__is_temporary(sequence->schema))
        return;
    struct source *s = ARENA_NEW(a->arena, struct source);
    *s = (struct source){.id = sequence->id, .rte = &no_rte};
    sql__push(a->arena, &a->view->sources, s);
}

/* s.t.column would not follow when the table gets another name: t.column does. */
void sql__note_column(struct analysis *a, int location, const char *table, const char *column)
{
    if (!a->view || !stands_at(a, location, column))
        return;
    struct buf b = {0};
    put_qualified(table, column, &b);
    note_edit(a, (size_t)location, sql__end_of_name(a, location), b.data);
    buf_done(&b);
}

void sql__note_star(struct analysis *a, int location, const struct target *const *targets, int n)
{
    if (!a->view || location < 0) /* one that is not in the text */
        return;
    struct buf b = {0};
    for (int i = 0; i < n; i++) {
        const struct expr *e = targets[i]->expr;
        if (i)
            buf_puts(&b, ", ");
        if (e->kind == EXPR_COLUMN && *e->col.rte->name) {
            sql_quote(e->col.rte->name, &b);
            buf_puts(&b, ".");
        }
        sql_quote(targets[i]->name, &b);
    }
    note_edit(a, (size_t)location, sql__end_of_name(a, location), b.data ? b.data : "");
    buf_done(&b);
}

static bool ends_operand(const struct token *t)
{
    static const char *const words[] = {
        "natural", "cross", "join",   "inner", "left",   "right",     "full",
        "on",      "using", "where",  "group", "order",  "limit",     "having",
        "offset",  "fetch", "window", "union", "except", "intersect", "for"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (sql__is_word(t, words[i]))
            return true;
    return t->kind == TOKEN_END || (t->kind == TOKEN_PUNCTUATION && strchr(",);", *t->start));
}

/* What NATURAL means now is written with USING; `location`: within its right side. */
void sql__note_natural(struct analysis *a, int location, const struct list *names)
{
    if (!a->view)
        return;
    const char *text = a->script->parsed, *end = text + strlen(text), *p = text, *last;
    struct token t, natural = {.kind = TOKEN_END};
    do {
        p = sql__lex(p, end, &t);
        if (sql__is_word(&t, "natural"))
            natural = t;
    } while (t.kind != TOKEN_END && t.start - text < location);
    if (natural.kind == TOKEN_END) {
        a->view->why = "a NATURAL JOIN";
        return;
    }
    p = natural.start;
    do
        p = sql__lex(p, end, &t);
    while (!sql__is_word(&t, "join") && t.kind != TOKEN_END);
    last = p;
    for (int depth = 0;; last = p) {
        p = sql__lex(p, end, &t);
        if (depth == 0 && ends_operand(&t))
            break;
        if (t.kind == TOKEN_PUNCTUATION)
            depth += *t.start == '(' ? 1 : *t.start == ')' ? -1 : 0;
    }
    struct buf b = {0};
    for (int i = 0; i < names->n; i++) {
        buf_puts(&b, i ? ", " : " USING (");
        sql_quote(names->items[i], &b);
    }
    buf_puts(&b, names->n ? ")" : " ON true");
    note_edit(a, (size_t)(natural.start - text), (size_t)(natural.start - text) + natural.len, "");
    note_edit(a, (size_t)(last - text), (size_t)(last - text), b.data);
    buf_done(&b);
}

void sql__note_unfixed(struct analysis *a, const char *why)
{
    if (a->view)
        a->view->why = why;
}

/* ---- a view in FROM ------------------------------------------------------------------------- */

/* The view is not what its record says: something that it reads was changed. */
static bool fits(const struct table *columns, const struct select *sel)
{
    bool same = sel->n_targets == columns->n_columns;
    for (int i = 0; i < sel->n_targets && same; i++)
        same = sel->targets[i].expr->type == columns->columns[i].type;
    return same;
}

struct error *sql__begin_view(struct analysis *a, const struct object *view, struct view_reading *r)
{
    struct sql_context ctx = *a->ctx;
    TRY(sql_parse(view->sql, a->arena, &r->script));
    r->own_script = a->script;
    r->path = a->path;
    r->draft = a->view;
    r->reading = a->reading;
    r->depth = a->depth;
    ctx.names = sql_names(a->path->database, "", view->search_path, &a->q->style, NULL);
    a->script = &r->script;
    a->path = sql__path(&ctx, a->arena);
    a->view = NULL;
    a->reading = view;
    mem_free((char *)(uintptr_t)ctx.names);
    return NULL;
}

void sql__hide_later(const struct analysis *a, uint64_t id, struct rte *r)
{
    for (int i = 0; a->reading && i < a->reading->n_uses; i++)
        for (int c = a->reading->uses[i].known; a->reading->uses[i].id == id && c < r->n_columns;
             c++)
            r->columns[c].dropped = true;
}

struct error *sql__end_view(struct analysis *a, struct view_reading *r, struct error *e)
{
    sql_script_done(&r->script);
    if (e)
        e->position = 0; /* it counts in a text that the user did not write */
    a->script = r->own_script;
    a->path = r->path;
    a->view = r->draft;
    a->reading = r->reading;
    a->depth = r->depth;
    return e;
}

static struct error *analyse_view(struct analysis *a, const struct object *view,
                                  struct scope *outer, struct select **ret)
{
    struct view_reading r;
    /* neither tables nor WITH queries of the statement are seen from inside */
    struct scope barrier = {.select = outer ? outer->select : NULL};
    TRY(sql__begin_view(a, view, &r));
    struct error *e = sql__select(a, &barrier, (const SelectStmt *)r.script.stmts[0].node, ret);
    for (int i = 0; !e && i < (*ret)->n_targets; i++)
        if ((*ret)->targets[i].expr->type == OID_UNKNOWN)
            e = sql__coerce_select_column(a, *ret, i, OID_TEXT);
    return sql__end_view(a, &r, e);
}

struct error *sql__view_rte(struct analysis *a, struct scope *s, const RangeVar *rv,
                            const struct object *view, struct rte **ret)
{
    struct select *sel;
    const struct table *columns =
        view->relation ? view->relation : catalog_table_by_id(a->ctx->view, view->id);
    TRY(sql__enter(a, rv->location));
    TRY(analyse_view(a, view, s, &sel));
    sql__leave(a);
    if (!fits(columns, sel))
        return sql__unsupported(a, rv->location, "Create it anew: CREATE OR REPLACE VIEW.",
                                "something that view \"%s\" reads was changed", view->name);
    struct rte *r =
        sql__new_rte(a, RTE_SUBQUERY, rv->alias ? rv->alias->aliasname : rv->relname, rv->location);
    r->select = sel;
    r->view = view;
    r->n_columns = sel->n_targets;
    r->columns = ARENA_ARRAY(a->arena, struct rte_column, MAX(sel->n_targets, 1));
    for (int i = 0; i < sel->n_targets; i++) {
        const struct expr *e = sel->targets[i].expr;
        sel->targets[i].name = columns->columns[i].name;
        r->columns[i] =
            (struct rte_column){.name = columns->columns[i].name,
                                .type = e->type,
                                .typmod = e->typmod,
                                .domain = e->domain,
                                .not_null = sel->kind == SELECT_PLAIN && !expr_nullable(e)};
    }
    *ret = r;
    return NULL;
}

/* ---- CREATE VIEW ---------------------------------------------------------------------------- */

/* The SELECT within the statement: after AS, which stands outside of all parentheses. */
static size_t query_start(const struct analysis *a, const struct sql_stmt *stmt,
                          bool *ret_recursive)
{
    const char *text = a->script->parsed, *end = text + strlen(text);
    const char *p = a->script->parsed == a->script->text ? text + stmt->offset : text;
    struct token t;
    int depth = 0;
    *ret_recursive = false;
    do {
        p = sql__lex(p, end, &t);
        if (t.kind == TOKEN_PUNCTUATION)
            depth += *t.start == '(' ? 1 : *t.start == ')' ? -1 : 0;
        *ret_recursive |= depth == 0 && sql__is_word(&t, "recursive");
    } while (t.kind != TOKEN_END && !(depth == 0 && sql__is_word(&t, "as")));
    return (size_t)(p - text);
}

/* Where the query ends: at WITH .. CHECK OPTION, its semicolon, or the end of the text. */
static size_t query_end(const struct analysis *a, size_t start, bool check_option)
{
    const char *text = a->script->parsed, *end = text + strlen(text);
    const char *p = text + start, *last = p, *with = p;
    struct token t;
    for (;;) {
        const char *next = sql__lex(p, end, &t);
        if (t.kind == TOKEN_END || (t.kind == TOKEN_PUNCTUATION && *t.start == ';'))
            return (size_t)((check_option ? with : last) - text);
        if (sql__is_word(&t, "with"))
            with = last;
        p = last = next;
    }
}

static struct error *check_updatable(struct analysis *a, const struct object *o)
{
    const char *why = o->check_option ? sql__why_not_updatable(a, o) : NULL;
    return why ? error_hint(error_new(E_UNSUPPORTED, "WITH CHECK OPTION is supported only on "
                                                     "automatically updatable views"),
                            "%s", why)
               : NULL;
}

/* What follows from the view's options. */
static struct error *take_check_option(struct analysis *a, struct object *o)
{
    const char *value = sql__option_value(o->relation->options, "check_option");
    o->check_option = !value                                ? 0
                      : strncasecmp(value, "local", 5) == 0 ? CHECK_LOCAL
                                                            : CHECK_CASCADED;
    return check_updatable(a, o);
}

/* WITH (..) of the name, and WITH [..] CHECK OPTION, which is one, too. */
static struct error *take_options(struct analysis *a, const ViewStmt *n, struct object *o)
{
    char **list = &o->relation->options;
    TRY(sql__set_options(a, OPTIONS_OF_VIEW, n->options, list));
    if (n->withCheckOption == NO_CHECK_OPTION)
        return take_check_option(a, o);
    if (sql__option_value(*list, "check_option"))
        return error_new("22023", "parameter \"check_option\" specified more than once");
    *list = arena_printf(a->arena, "%s%scheck_option=%s", *list ? *list : "", *list ? "," : "",
                         n->withCheckOption == LOCAL_CHECK_OPTION ? "local" : "cascaded");
    return take_check_option(a, o);
}

static int by_start(const void *a, const void *b)
{
    const struct edit *const *x = a, *const *y = b;
    return ((*x)->start > (*y)->start) - ((*x)->start < (*y)->start);
}

static const char *edited_text(struct analysis *a, size_t start, size_t end)
{
    const char *text = a->script->parsed;
    struct list *l = &a->view->edits;
    struct buf b = {0};
    if (l->n)
        qsort(l->items, (size_t)l->n, sizeof(*l->items), by_start);
    while (start < end && strchr(" \t\r\n\f", text[start]))
        start++;
    for (int i = 0; i < l->n; i++) {
        const struct edit *e = l->items[i];
        if (e->start < start || e->end > end)
            continue; /* analysed twice; not of this text */
        buf_append(&b, text + start, e->start - start);
        buf_puts(&b, e->text);
        start = e->end;
    }
    buf_append(&b, text + start, end - start);
    const char *out = arena_strdup(a->arena, b.data);
    buf_done(&b);
    return out;
}

static struct error *refuse(const ViewStmt *n)
{
    if (n->view->relpersistence == 'u')
        return error_new("0A000", "views cannot be unlogged because they do not have storage");
    return NULL;
}

static struct error *view_columns(struct analysis *a, const ViewStmt *n, const struct select *sel,
                                  struct table *t)
{
    int named = list_length(n->aliases);
    if (named > sel->n_targets)
        return error_new(E_SYNTAX, "CREATE VIEW specifies more column names than columns");
    t->columns = ARENA_ARRAY(a->arena, struct column, sel->n_targets + 1);
    t->n_columns = sel->n_targets;
    for (int i = 0; i < sel->n_targets; i++) {
        const struct target *target = &sel->targets[i];
        t->columns[i] = (struct column){
            .name =
                arena_strdup(a->arena, i < named ? strVal(list_nth(n->aliases, i)) : target->name),
            .type = target->expr->type,
            .typmod = target->expr->typmod,
            .domain = target->expr->domain};
        TRY(sql__check_result_type(a, t->columns[i].name, target->expr->type));
        for (int k = 0; k < i; k++)
            if (strcmp(t->columns[k].name, t->columns[i].name) == 0)
                return error_new(E_DUPLICATE_COLUMN, "column \"%s\" specified more than once",
                                 t->columns[i].name);
    }
    return NULL;
}

static void add_use(struct analysis *a, struct object *o, const struct source *s)
{
    struct object_use *u = NULL;
    for (int i = 0; i < o->n_uses && !u; i++)
        u = o->uses[i].id == s->id ? &o->uses[i] : NULL;
    if (!u) {
        u = &o->uses[o->n_uses++];
        *u = (struct object_use){
            .id = s->id, .known = s->rte->n_columns, .columns = ARENA_ARRAY(a->arena, int, 1600)};
    }
    u->by_key |= s->rte->by_key;
    for (int c = 0; c < s->rte->n_columns; c++) {
        bool there = !s->rte->columns[c].used;
        for (int k = 0; k < u->n_columns && !there; k++)
            there = u->columns[k] == c;
        if (!there)
            u->columns[u->n_columns++] = c;
    }
}

static void view_uses(struct analysis *a, struct object *o)
{
    const struct list *l = &a->view->sources;
    o->uses = ARENA_ARRAY(a->arena, struct object_use, l->n + 1);
    for (int i = 0; i < l->n; i++) {
        const struct source *s = l->items[i];
        if (s->id)
            add_use(a, o, s);
    }
}

/* Does `view` read `id`, itself or through other views? */
static bool reads(const struct catalog_view *v, const struct object *view, uint64_t id, int depth)
{
    for (int i = 0; i < view->n_uses && depth < 100; i++) {
        const struct object *other = catalog_object_by_id(v, view->uses[i].id);
        if (view->uses[i].id == id || (other && reads(v, other, id, depth + 1)))
            return true;
    }
    return false;
}

/* OR REPLACE: old columns stay as they are, new ones may follow. */
static struct error *check_replacement(const struct analysis *a, const struct object *old,
                                       const struct object *next)
{
    const struct table *x = old->relation, *y = next->relation;
    if (y->n_columns < x->n_columns)
        return error_new("42P16", "cannot drop columns from view");
    for (int i = 0; i < x->n_columns; i++) {
        const struct column *c = &x->columns[i], *d = &y->columns[i];
        if (strcmp(c->name, d->name) != 0)
            return error_hint(
                error_new("42P16", "cannot change name of view column \"%s\" to \"%s\"", c->name,
                          d->name),
                "Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.");
        if (c->type != d->type || c->typmod != d->typmod)
            return error_new("42P16", "cannot change data type of view column \"%s\" from %s to %s",
                             c->name, type_label(c->type, c->typmod, a->arena),
                             type_label(d->type, d->typmod, a->arena));
    }
    if (reads(a->ctx->view, next, old->id, 0))
        return error_new("42P17", "infinite recursion detected in rules for relation \"%s\"",
                         old->name);
    return NULL;
}

struct error *sql__view_query(struct analysis *a, const SelectStmt *query, size_t start, size_t end,
                              struct object *o, struct select **ret)
{
    struct select *sel;
    a->view = ARENA_NEW(a->arena, struct view_draft);
    TRY(sql__select(a, NULL, query, &sel));
    for (int i = 0; i < sel->n_ctes; i++)
        if (sel->ctes[i]->write)
            return error_new(E_UNSUPPORTED,
                             "views must not contain data-modifying statements in WITH");
    if (a->n_params)
        return error_new("42P02", "there is no parameter $1");
    for (int i = 0; i < sel->n_targets; i++)
        if (sel->targets[i].expr->type == OID_UNKNOWN)
            TRY(sql__coerce_select_column(a, sel, i, OID_TEXT));
    view_uses(a, o);
    o->sql = (char *)(uintptr_t)edited_text(a, start, end);
    o->search_path = (char *)(uintptr_t)sql__path_text(a);
    *ret = sel;
    return NULL;
}

struct error *sql__check_view(struct analysis *a, const struct object *o,
                              const struct table *columns)
{
    struct select *again;
    if (!o->relation && a->view->temporary)
        return error_new(E_UNSUPPORTED,
                         "materialized views must not use temporary tables or views");
    struct error *e = a->view->why ? NULL : analyse_view(a, o, NULL, &again);
    if (!e && !a->view->why && fits(columns, again))
        return NULL;
    error_free(e);
    return sql__unsupported(a, -1, "Name the tables and columns one by one.",
                            "a view with %s is not supported",
                            a->view->why ? a->view->why : "a star that can't be written out");
}

/* CREATE RECURSIVE VIEW v (a, b) AS query: the parser gave us what this says, too. */
static char *recursive_text(struct analysis *a, const ViewStmt *n, const char *query)
{
    struct buf names = {0}, view = {0};
    for (int i = 0; i < list_length(n->aliases); i++) {
        buf_puts(&names, i ? ", " : "");
        sql_quote_identifier(strVal(list_nth(n->aliases, i)), &names);
    }
    sql_quote_identifier(n->view->relname, &view);
    char *text = arena_printf(a->arena, "WITH RECURSIVE %s (%s) AS (%s) SELECT %s FROM %s",
                              view.data, names.data, query, names.data, view.data);
    buf_done(&names);
    buf_done(&view);
    return text;
}

struct error *sql__create_view(struct analysis *a, const ViewStmt *n, const struct sql_stmt *stmt)
{
    const SelectStmt *query = (const SelectStmt *)n->query;
    struct select *sel;
    char *schema;
    bool recursive;
    size_t start = query_start(a, stmt, &recursive);
    sql__change_objects(a, "CREATE VIEW");
    if (IsA(query, SelectStmt) && query->intoClause)
        return error_new(E_UNSUPPORTED, "views must not contain SELECT INTO");
    TRY(refuse(n));
    struct error *e = sql__table_schema(a, n->view, &schema);
    if (error_is(e, "42P16"))
        e->position = 0;
    TRY(e);
    TRY(sql__check_identifier(a, "view", n->view->relname, n->view->location));
    struct object *o = sql__new_object(a, OBJ_VIEW, schema, n->view->relname);
    TRY(sql__view_query(a, query, start, query_end(a, start, n->withCheckOption != NO_CHECK_OPTION),
                        o, &sel));
    if (recursive)
        o->sql = recursive_text(a, n, o->sql);
    bool temporary = strcmp(schema, CATALOG_TEMP_SCHEMA) == 0;
    if (a->view->temporary && n->view->schemaname && !temporary)
        return error_new("42P16", "cannot create temporary relation in non-temporary schema");
    if (a->view->temporary && !temporary) {
        sql__notice(a, "00000", NULL, "view \"%s\" will be a temporary view", o->name);
        schema = o->schema = arena_strdup(a->arena, CATALOG_TEMP_SCHEMA);
    }
    o->relation = ARENA_NEW(a->arena, struct table);
    *o->relation = (struct table){.schema = o->schema, .name = o->name, .database = o->database};
    TRY(view_columns(a, n, sel, o->relation));
    TRY(take_options(a, n, o));
    const struct object *old = catalog_object(a->ctx->view, OBJ_VIEW, schema, o->name);
    if (!old && sql__relation_exists(a, schema, o->name) && n->replace)
        return error_new("42809", "\"%s\" is not a view", o->name);
    if (sql__relation_exists(a, schema, o->name) && !n->replace)
        return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists", o->name);
    if (old) {
        TRY(check_replacement(a, old, o));
        o->id = old->id;
        o->comment = old->comment;
        for (int i = 0; i < old->relation->n_columns; i++)
            o->relation->columns[i].comment = old->relation->columns[i].comment;
    }
    TRY(sql__check_view(a, o, o->relation));
    a->view = NULL;
    a->rtes.n = 0; /* it reads nothing now */
    a->hidden.n = 0;
    a->selects.n = 0;
    sql__change_object(a, old, o);
    return NULL;
}

/* ---- dependents ----------------------------------------------------------------------------- */

const char *sql__describe_view(const struct analysis *a, const struct object *o)
{
    return arena_printf(a->arena, "%sview %s", o->relation ? "" : "materialized ",
                        sql__shown_name(a, o->schema, o->name));
}

static bool gone(const struct list *objects, const struct object *o)
{
    for (int i = 0; i < objects->n; i++)
        if (objects->items[i] == o)
            return true;
    return false;
}

static bool uses(const struct object *view, uint64_t id)
{
    for (int i = 0; i < view->n_uses; i++)
        if (view->uses[i].id == id)
            return true;
    return false;
}

static bool reads_column(const struct object *view, uint64_t id, int column)
{
    for (int k = 0; k < view->n_uses; k++)
        if (view->uses[k].id == id && view->uses[k].by_key && column == VIEW_BY_KEY)
            return true;
    for (int k = 0; k < view->n_uses; k++)
        for (int c = 0; view->uses[k].id == id && c < view->uses[k].n_columns; c++)
            if (view->uses[k].columns[c] == column)
                return true;
    return false;
}

static int by_id(const void *a, const void *b)
{
    const struct object *const *x = a, *const *y = b;
    return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

void sql__views_of_column(struct analysis *a, uint64_t id, int column, const char *what,
                          struct list *ret_views, struct dependents *deps)
{
    const struct catalog_view *v = a->ctx->view;
    const struct object *o;
    struct list found = {0};
    for (size_t i = 0; v && (o = catalog_next_view(v, &i));)
        if (column == -1 ? uses(o, id) : reads_column(o, id, column))
            sql__push(a->arena, &found, (void *)(uintptr_t)o);
    if (found.n)
        qsort(found.items, (size_t)found.n, sizeof(*found.items), by_id);
    for (int i = found.n; i-- > 0;) { /* of several that it hangs on PostgreSQL tells the newest */
        o = found.items[i];
        if (gone(ret_views, o))
            continue;
        const struct dependent *under = deps->under;
        sql__push(a->arena, ret_views, found.items[i]);
        sql__depends(a, deps, o->id, sql__describe_view(a, o), what);
        deps->under = sql__last_dependent(deps);
        sql__views_on(a, o->id, sql__describe_view(a, o), ret_views, deps);
        deps->under = under;
    }
}

void sql__views_on(struct analysis *a, uint64_t id, const char *what, struct list *ret_views,
                   struct dependents *deps)
{
    sql__views_of_column(a, id, -1, what, ret_views, deps);
}

void sql__views_on_owned(struct analysis *a, const struct table *t, int column,
                         struct list *ret_views, struct dependents *deps)
{
    for (int i = 0; i < t->n_owned; i++) {
        const struct sequence *s = catalog_sequence_by_id(a->ctx->view, t->owned[i].sequence);
        if (s && (column < 0 || t->owned[i].column == column))
            sql__views_on(a, s->id, sql__describe_sequence(a, s), ret_views, deps);
    }
}

/* ---- new names of what views read ------------------------------------------------------------ */

/* s.t.column: the alias that keeps the old name does not help there. */
static bool names_with_schema(const char *sql, const char *name)
{
    const char *p = sql, *end = sql + strlen(sql);
    struct token before = {.kind = TOKEN_END}, t;
    for (;;) {
        p = sql__lex(p, end, &t);
        if (t.kind == TOKEN_END)
            return false;
        struct token after;
        sql__lex(p, end, &after);
        bool points = before.kind == TOKEN_PUNCTUATION && *before.start == '.' &&
                      after.kind == TOKEN_PUNCTUATION && *after.start == '.';
        if (points && is_name(&t, name))
            return true;
        before = t;
    }
}

/* After the name of a table at `at`: AS t (x, y), or what there is of it. */
static size_t end_of_alias(const struct analysis *a, size_t at, bool aliased)
{
    const char *text = a->script->parsed, *end = text + strlen(text), *p = text + at, *last = p;
    struct token t;
    if (!aliased)
        return at;
    p = sql__lex(p, end, &t);
    last = sql__is_word(&t, "as") ? sql__lex(p, end, &t) : p;
    p = sql__lex(last, end, &t);
    if (t.kind != TOKEN_PUNCTUATION || *t.start != '(')
        return (size_t)(last - text);
    while (t.kind != TOKEN_END && !(t.kind == TOKEN_PUNCTUATION && *t.start == ')'))
        p = sql__lex(p, end, &t);
    return (size_t)(p - text);
}

/* The columns under the names that the view knows. */
static void put_columns(const struct rte *r, struct buf *out)
{
    const char *comma = " (";
    for (int i = 0; i < r->n_columns; i++) {
        if (r->columns[i].dropped)
            continue;
        buf_puts(out, comma);
        sql_quote(r->columns[i].name, out);
        comma = ", ";
    }
    buf_puts(out, ")");
}

/* Tables go under the alias that they had, or their old name. */
static void rename_source(struct analysis *a, const struct source *s, const struct new_name *n,
                          const char *schema)
{
    struct buf b = {0};
    const struct object *type = s->is_type ? catalog_object_by_id(a->ctx->view, s->id) : NULL;
    const char *now = type ? type->name : s->rte->table ? s->rte->table->name : s->rte->view->name;
    const char *name = n->name ? n->name : now;
    put_qualified(schema, name, &b);
    if (!s->is_type && n->columns) {
        s->edit->end = end_of_alias(a, s->edit->end, s->aliased);
        buf_puts(&b, " AS ");
        sql_quote(s->rte->name, &b);
        put_columns(s->rte, &b);
    } else if (!s->is_type && !s->aliased && strcmp(name, now) != 0) {
        buf_puts(&b, " AS ");
        sql_quote(now, &b);
    }
    s->edit->text = arena_strdup(a->arena, b.data);
    buf_done(&b);
}

static const char *schema_of(const struct analysis *a, uint64_t id)
{
    const struct table *t = catalog_table_by_id(a->ctx->view, id);
    const struct object *o = t ? NULL : catalog_object_by_id(a->ctx->view, id);
    const struct sequence *s = catalog_sequence_by_id(a->ctx->view, id);
    return t ? t->schema : o ? o->schema : s ? s->schema : "";
}

static bool gets_name(const struct analysis *a, const struct new_name *n, uint64_t id)
{
    return n->id ? n->id == id : strcmp(schema_of(a, id), n->of_schema) == 0;
}

static bool reads_renamed(const struct analysis *a, const struct new_name *n,
                          const struct object *view)
{
    for (int i = 0; i < view->n_uses; i++)
        if (gets_name(a, n, view->uses[i].id))
            return true;
    return false;
}

/* The text of the view, which is analysed once more for what it names. */
static struct error *rename_in_text(struct analysis *a, struct object *view,
                                    const struct new_name *n)
{
    struct sql_script script;
    struct sql_context ctx = *a->ctx;
    struct scope barrier = {0};
    struct select *sel;
    TRY(sql_parse(view->sql, a->arena, &script));
    ctx.names = sql_names(a->path->database, "", view->search_path, &a->q->style, NULL);
    struct analysis sub = {
        .ctx = &ctx, .arena = a->arena, .script = &script, .q = ARENA_NEW(a->arena, struct query)};
    sub.path = sql__path(&ctx, a->arena);
    sub.q->style = a->q->style;
    sub.view = ARENA_NEW(a->arena, struct view_draft);
    sub.reading = view;
    mem_free((char *)(uintptr_t)ctx.names);
    struct error *e = sql__select(&sub, &barrier, (const SelectStmt *)script.stmts[0].node, &sel);
    struct list kept = {0};
    for (int i = 0; !e && i < sub.view->sources.n; i++) {
        const struct source *s = sub.view->sources.items[i];
        if (!gets_name(a, n, s->id))
            continue;
        if (!s->edit)
            e = sql__unsupported(a, -1, "Drop the view first, and create it again then.",
                                 "%s that view %s reads is not supported", n->what,
                                 sql__shown_name(a, view->schema, view->name));
        else
            rename_source(&sub, s, n, n->schema);
        if (s->edit)
            sql__push(a->arena, &kept, s->edit);
    }
    sub.view->edits = kept;
    if (!e)
        view->sql = (char *)(uintptr_t)edited_text(&sub, 0, strlen(script.parsed));
    sql_script_done(&script);
    return e;
}

struct error *sql__rename_in_view(struct analysis *a, const struct object *o,
                                  const struct new_name *n, struct object **next)
{
    bool told = false;
    if (!reads_renamed(a, n, o))
        return NULL;
    for (int i = 0; i < o->n_uses; i++) {
        const struct table *t = catalog_table_by_id(a->ctx->view, o->uses[i].id);
        const struct object *v = catalog_object_by_id(a->ctx->view, o->uses[i].id);
        const char *name = t ? t->name : v ? v->name : NULL;
        told |= name && gets_name(a, n, o->uses[i].id) && names_with_schema(o->sql, name);
    }
    const struct table *of = n->id ? catalog_table_by_id(a->ctx->view, n->id) : NULL;
    bool temporary = strcmp(o->schema, CATALOG_TEMP_SCHEMA) == 0;
    if (!o->relation || told || (temporary && !(of && table_is_temporary(of))))
        return sql__unsupported(a, -1, "Drop the view first, and create it again then.",
                                "%s that view %s reads is not supported", n->what,
                                sql__shown_name(a, o->schema, o->name));
    *next = *next ? *next : object_copy(o, a->arena);
    return rename_in_text(a, *next, n);
}

struct error *sql__rename_in_views(struct analysis *a, const struct new_name *n)
{
    const struct catalog_view *v = a->ctx->view;
    const struct object *o;
    for (size_t i = 0; v && (o = catalog_next_view(v, &i));) {
        struct object *next = NULL;
        bool reads = n->column < 0;
        for (int k = 0; !reads && k < o->n_uses; k++)
            for (int c = 0; o->uses[k].id == n->id && c < o->uses[k].n_columns; c++)
                reads |= o->uses[k].columns[c] == n->column;
        if (reads)
            TRY(sql__rename_in_view(a, o, n, &next));
        if (next)
            sql__change_object(a, o, next);
    }
    return NULL;
}

/* ---- new names of types, in expressions of the catalog ----------------------------------------
 */

char *sql__rename_type_in_text(struct analysis *a, const struct table *t, enum clause clause,
                               const char *sql, const struct new_name *n)
{
    enum { SELECT = 7 };
    const char *text = arena_printf(a->arena, "SELECT %s", sql);
    struct sql_script script;
    struct error *e = sql_parse(text, a->arena, &script);
    struct analysis own = {.ctx = a->ctx,
                           .path = a->path,
                           .arena = a->arena,
                           .script = &script,
                           .q = ARENA_NEW(a->arena, struct query),
                           .view = ARENA_NEW(a->arena, struct view_draft)};
    struct scope s = {.clause = clause};
    struct list kept = {0};
    struct expr *unused;
    if (e) {
        error_free(e); /* it fails when it is used */
        return NULL;
    }
    own.q->style = a->q->style;
    sql__add_item(&own, &s, sql__base_rte(&own, t, t->name, -1));
    const SelectStmt *query = (const SelectStmt *)script.stmts[0].node;
    error_free(sql__expr(&own, &s, ((const ResTarget *)linitial(query->targetList))->val, &unused));
    for (int i = 0; i < own.view->sources.n; i++) {
        const struct source *source = own.view->sources.items[i];
        if (!source->edit || source->id != n->id)
            continue;
        rename_source(&own, source, n, n->schema);
        sql__push(a->arena, &kept, source->edit);
    }
    own.view->edits = kept;
    char *changed =
        kept.n ? (char *)(uintptr_t)edited_text(&own, SELECT, strlen(script.parsed)) : NULL;
    sql_script_done(&script);
    return changed;
}

/* ---- DROP VIEW ------------------------------------------------------------------------------ */

static struct error *find_view(struct analysis *a, const RangeVar *rv, const struct object **ret)
{
    *ret = sql__lookup_view(a, rv);
    if (*ret)
        return NULL;
    const struct table *t = sql__lookup_table(a, rv);
    if (t)
        return error_hint(error_new("42809", "\"%s\" is not a view", rv->relname),
                          t->query ? "Use DROP MATERIALIZED VIEW to remove a materialized view."
                                   : "Use DROP TABLE to remove a table.");
    if (rv->schemaname && !catalog_schema(a->ctx->view, rv->schemaname))
        return sql__no_schema(rv->schemaname);
    return NULL;
}

struct error *sql__drop_view(struct analysis *a, const DropStmt *n)
{
    struct list views = {0};
    struct dependents deps = {0};
    sql__change_objects(a, "DROP VIEW");
    int count = list_length(n->objects);
    for (int i = 0; i < count; i++) {
        RangeVar rv = sql__range_var(list_nth(n->objects, i));
        const struct object *o;
        struct error *e = find_view(a, &rv, &o);
        if (n->missing_ok && error_is(e, "3F000")) {
            error_free(e);
            sql__notice(a, "00000", NULL, "schema \"%s\" does not exist, skipping", rv.schemaname);
            continue;
        }
        TRY(e);
        if (!o && !n->missing_ok)
            return error_new(E_UNDEFINED_TABLE, "view \"%s\" does not exist", rv.relname);
        if (!o)
            sql__notice(a, "00000", NULL, "view \"%s\" does not exist, skipping", rv.relname);
        else if (!gone(&views, o))
            sql__push(a->arena, &views, (void *)(uintptr_t)o);
    }
    int named = views.n;
    for (int i = 0; i < named; i++) {
        const struct object *o = views.items[i];
        sql__views_on(a, o->id, sql__describe_view(a, o), &views, &deps);
    }
    if (deps.list.n && n->behavior != DROP_CASCADE)
        return sql__has_dependents(a, count > 1 ? NULL : sql__describe_view(a, views.items[0]),
                                   &deps);
    sql__tell_cascade(a, &deps);
    for (int i = 0; i < views.n; i++)
        sql__drop_view_with(a, views.items[i]);
    return NULL;
}

void sql__drop_view_with(struct analysis *a, const struct object *o)
{
    if (o->relation)
        sql__change_object(a, o, NULL);
    else
        sql__drop_with(a, catalog_table_by_id(a->ctx->view, o->id));
}

/* ---- ALTER VIEW ----------------------------------------------------------------------------- */

static struct error *to_alter(struct analysis *a, const RangeVar *rv, bool missing_ok,
                              const struct object **ret)
{
    sql__change_objects(a, "ALTER VIEW");
    TRY(find_view(a, rv, ret));
    if (*ret)
        return NULL;
    if (!missing_ok)
        return error_new(E_UNDEFINED_TABLE, "relation \"%s\" does not exist", rv->relname);
    sql__notice(a, "00000", NULL, "relation \"%s\" does not exist, skipping", rv->relname);
    return NULL;
}

struct error *sql__rename_view(struct analysis *a, const RenameStmt *n)
{
    const struct object *old;
    TRY(to_alter(a, n->relation, n->missing_ok, &old));
    if (!old)
        return NULL;
    struct object *next = object_copy(old, a->arena);
    if (n->renameType == OBJECT_COLUMN) {
        int c = table_column(old->relation, n->subname);
        if (c < 0)
            return error_new(E_UNDEFINED_COLUMN, "column \"%s\" does not exist", n->subname);
        if (table_column(old->relation, n->newname) >= 0)
            return error_new(E_DUPLICATE_COLUMN, "column \"%s\" of relation \"%s\" already exists",
                             n->newname, old->name);
        TRY(sql__rename_in_views(a, &(struct new_name){.id = old->id,
                                                       .schema = old->schema,
                                                       .columns = true,
                                                       .column = c,
                                                       .what = "renaming a column"}));
        next->relation->columns[c].name = arena_strdup(a->arena, n->newname);
    } else {
        if (sql__relation_exists(a, old->schema, n->newname))
            return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists", n->newname);
        TRY(sql__check_identifier(a, "view", n->newname, -1));
        TRY(sql__rename_in_views(a, &(struct new_name){.id = old->id,
                                                       .schema = old->schema,
                                                       .name = n->newname,
                                                       .column = -1,
                                                       .what = "renaming a view"}));
        next->name = arena_strdup(a->arena, n->newname);
    }
    sql__change_object(a, old, next);
    return NULL;
}

struct error *sql__alter_view(struct analysis *a, const AlterTableStmt *n)
{
    const struct object *old;
    TRY(to_alter(a, n->relation, n->missing_ok, &old));
    if (!old)
        return NULL;
    struct object *next = object_copy(old, a->arena);
    char **list = &next->relation->options;
    for (int i = 0; i < list_length(n->cmds); i++) {
        const AlterTableCmd *c = list_nth(n->cmds, i);
        const List *options = (const List *)(const void *)c->def;
        if (c->subtype == AT_SetRelOptions)
            TRY(sql__set_options(a, OPTIONS_OF_VIEW, options, list));
        else if (c->subtype == AT_ResetRelOptions)
            TRY(sql__reset_options(a, options, list));
        else
            return sql__unsupported(a, n->relation->location, "Drop it and create it anew.",
                                    "this form of ALTER VIEW is not supported");
    }
    TRY(take_check_option(a, next));
    sql__change_object(a, old, next);
    return NULL;
}

struct error *sql__move_view(struct analysis *a, const AlterObjectSchemaStmt *n)
{
    const struct object *old;
    TRY(to_alter(a, n->relation, n->missing_ok, &old));
    if (!old)
        return NULL;
    TRY(sql__check_schema(a, n->newschema));
    if (strcmp(old->schema, n->newschema) == 0)
        return NULL;
    if (sql__relation_exists(a, n->newschema, old->name))
        return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists in schema \"%s\"",
                         old->name, n->newschema);
    TRY(sql__rename_in_views(
        a, &(struct new_name){
               .id = old->id, .schema = n->newschema, .column = -1, .what = "moving a view"}));
    struct object *next = object_copy(old, a->arena);
    next->schema = arena_strdup(a->arena, n->newschema);
    sql__change_object(a, old, next);
    return NULL;
}
