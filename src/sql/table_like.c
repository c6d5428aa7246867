/*
 * CREATE TABLE .. (LIKE source ..).
 *
 * Each LIKE is replaced, in the statement's text, by what one would have written instead: the
 * columns of the source and, where INCLUDING says so, their defaults, identities, checks and keys.
 * That text is analysed as any other CREATE TABLE. Indexes can't be written there: they are added
 * to the table that comes out.
 */
#include "sql_int.h"

#include "emit_int.h"
#include "lex.h"

struct likeness {
    const TableLikeClause *clause;
    const struct table *source; /* a view's shape, too */
    bool is_view;
    size_t start, end; /* of LIKE .. in the parsed text */
};

/* ---- the text ----------------------------------------------------------------------------------
 */

static void put_columns(const struct table *t, const int *columns, int n, struct buf *out)
{
    for (int i = 0; i < n; i++) {
        buf_puts(out, i ? ", " : "(");
        sql_quote(t->columns[columns[i]].name, out);
    }
    buf_puts(out, ")");
}

static void put_identity(const struct analysis *a, const struct column *c, struct buf *out)
{
    const struct sequence *s = catalog_sequence_by_id(a->ctx->view, c->sequence);
    buf_printf(out, " GENERATED %s AS IDENTITY", c->identity == 'a' ? "ALWAYS" : "BY DEFAULT");
    if (s)
        buf_printf(out,
                   " (START WITH %lld INCREMENT BY %lld MINVALUE %lld MAXVALUE %lld CACHE %lld %s)",
                   (long long)s->start, (long long)s->increment, (long long)s->min,
                   (long long)s->max, (long long)s->cache, s->cycle ? "CYCLE" : "NO CYCLE");
}

static void put_default(const struct analysis *a, const struct column *c, struct buf *out)
{
    const struct sequence *s =
        c->sequence ? catalog_sequence_by_id(a->ctx->view, c->sequence) : NULL;
    buf_printf(out, " DEFAULT (%s)",
               s ? sql_next_value_text(s->schema, s->name, a->arena) : c->default_sql);
}

static void put_column(const struct analysis *a, const struct column *c, bits32 options,
                       struct buf *out)
{
    sql_quote(c->name, out);
    buf_printf(out, " %s", type_label(c->domain ? c->domain : c->type, c->typmod, a->arena));
    if (c->generated && (options & CREATE_TABLE_LIKE_GENERATED))
        buf_printf(out, " GENERATED ALWAYS AS (%s) STORED", c->default_sql);
    else if (c->identity && (options & CREATE_TABLE_LIKE_IDENTITY))
        put_identity(a, c, out);
    else if (c->default_sql && !c->generated && (options & CREATE_TABLE_LIKE_DEFAULTS))
        put_default(a, c, out);
    if (c->not_null)
        buf_puts(out, " NOT NULL");
}

static void put_constraints(const struct table *t, bits32 options, struct buf *out)
{
    for (int i = 0; i < t->n_checks && (options & CREATE_TABLE_LIKE_CONSTRAINTS); i++) {
        buf_puts(out, ", CONSTRAINT ");
        sql_quote(t->checks[i].name, out);
        buf_printf(out, " CHECK (%s)", t->checks[i].sql);
    }
    for (int i = 0; i < t->n_keys && (options & CREATE_TABLE_LIKE_INDEXES); i++) {
        const struct key *k = &t->keys[i];
        buf_puts(out, k->primary       ? ", PRIMARY KEY "
                      : k->nulls_equal ? ", UNIQUE NULLS NOT DISTINCT "
                                       : ", UNIQUE ");
        put_columns(t, k->columns, k->n_columns, out);
        if (k->options)
            buf_printf(out, " WITH (%s)", k->options);
        buf_puts(out, k->deferrable ? " DEFERRABLE" : "");
        buf_puts(out, k->deferred ? " INITIALLY DEFERRED" : "");
    }
}

/* The statement that `location` lies in, with every LIKE replaced. */
static const char *rewritten(const struct analysis *a, const struct likeness *l, int n)
{
    const char *text = a->script->parsed, *end = text + strlen(text), *p = text, *start = text;
    struct buf out = {0};
    struct token t;
    for (;;) {
        p = sql__lex(p, end, &t);
        bool over = t.kind == TOKEN_END || (t.kind == TOKEN_PUNCTUATION && *t.start == ';');
        if (over && t.start > text + l[n - 1].end)
            break;
        if (over)
            start = p;
    }
    for (int i = 0; i < n; i++) {
        buf_append(&out, start, (size_t)(text + l[i].start - start));
        const char *comma = "";
        for (int k = 0; k < l[i].source->n_columns; k++) {
            if (l[i].source->columns[k].dropped)
                continue;
            buf_puts(&out, *comma ? comma : "");
            comma = ", ";
            put_column(a, &l[i].source->columns[k], l[i].clause->options, &out);
        }
        put_constraints(l[i].source, l[i].clause->options, &out);
        start = text + l[i].end;
    }
    buf_append(&out, start, (size_t)(t.start - start));
    const char *result = arena_strdup(a->arena, out.data);
    buf_done(&out);
    return result;
}

/* From the word LIKE before the source's name to the comma or bracket after the options. */
static void find_bounds(const struct analysis *a, struct likeness *l)
{
    const char *text = a->script->parsed, *end = text + strlen(text), *p = text;
    size_t name = (size_t)l->clause->relation->location;
    struct token t;
    do {
        p = sql__lex(p, end, &t);
        if (sql__is_word(&t, "like"))
            l->start = (size_t)(t.start - text);
    } while (t.kind != TOKEN_END && (size_t)(t.start - text) < name);
    p = text + sql__end_of_name(a, (int)name);
    do {
        l->end = (size_t)(p - text);
        p = sql__lex(p, end, &t);
    } while (t.kind == TOKEN_WORD);
}

/* ---- the source --------------------------------------------------------------------------------
 */

static struct error *invalid_source(const struct analysis *a, const RangeVar *rv, const char *what)
{
    struct error *e = error_new("42809", "relation \"%s\" is invalid in LIKE clause", rv->relname);
    return sql__at(a, error_detail(e, "This operation is not supported for %s.", what),
                   rv->location);
}

static struct error *find_source(const struct analysis *a, struct likeness *l)
{
    const RangeVar *rv = l->clause->relation;
    const struct index *x;
    const struct object *view = NULL;
    struct error *e = sql__find_source(a, rv, &l->source, &view);
    if (e && sql__lookup_sequence(a, rv)) {
        error_free(e);
        return invalid_source(a, rv, "sequences");
    }
    if (e && (sql__lookup_index(a, rv, &x) || sql__lookup_key(a, rv))) {
        error_free(e);
        return invalid_source(a, rv, "indexes");
    }
    TRY(e);
    l->is_view = view != NULL;
    l->source = view ? view->relation : l->source;
    return NULL;
}

/* ---- indexes -----------------------------------------------------------------------------------
 */

/* Is it what a key added by ALTER TABLE stands on? Then the key has been written. */
static bool beneath_key(const struct table *t, const struct index *x)
{
    return sql__key_exists(t, x->name);
}

static bool name_in_use(const struct analysis *a, const struct table *t, const char *name)
{
    for (int i = 0; i < t->n_indexes; i++)
        if (strcmp(t->indexes[i].name, name) == 0)
            return true;
    return sql__key_exists(t, name) || sql__relation_exists(a, t->schema, name);
}

static struct error *add_index(struct analysis *a, struct table *t, const struct table *source,
                               const struct index *from, bool comments)
{
    struct index *x = &t->indexes[t->n_indexes];
    *x = *from;
    x->id = 0;
    if (!comments)
        x->comment = NULL;
    x->columns = ARENA_ARRAY(a->arena, int, x->n_columns);
    for (int i = 0; i < x->n_columns; i++)
        x->columns[i] = from->columns[i] < 0
                            ? from->columns[i]
                            : table_column(t, source->columns[from->columns[i]].name);
    x->included = ARENA_ARRAY(a->arena, int, x->n_included + 1);
    for (int i = 0; i < x->n_included; i++)
        x->included[i] = table_column(t, source->columns[from->included[i]].name);
    const char *columns = sql__index_columns(a, t, x);
    x->name = sql__make_name(a, t->name, columns, "idx");
    for (int i = 1; name_in_use(a, t, x->name); i++)
        x->name = sql__make_name(a, t->name, columns, arena_printf(a->arena, "idx%d", i));
    TRY(sql__index_text(a, t, x));
    if (x->where_sql)
        TRY(sql__index_where(a, t, NULL, x));
    t->n_indexes++;
    return NULL;
}

static struct error *add_indexes(struct analysis *a, const struct likeness *l)
{
    struct table *t = a->q->create_table.table;
    const struct table *from = l->source;
    struct index *grown = ARENA_ARRAY(a->arena, struct index, t->n_indexes + from->n_indexes + 1);
    for (int i = 0; i < t->n_indexes; i++)
        grown[i] = t->indexes[i];
    t->indexes = grown;
    for (int i = 0; i < from->n_indexes; i++)
        if (!beneath_key(from, &from->indexes[i]))
            TRY(add_index(a, t, from, &from->indexes[i],
                          l->clause->options & CREATE_TABLE_LIKE_COMMENTS));
    return NULL;
}

/* ---- comments ----------------------------------------------------------------------------------
 */

/* Of the index beneath a key. It has another name; its columns say which it is. */
static void copy_key_comment(struct table *t, const struct table *from, const struct key *key)
{
    for (int k = 0; k < t->n_keys; k++) {
        bool same = t->keys[k].primary == key->primary && t->keys[k].n_columns == key->n_columns;
        for (int i = 0; i < key->n_columns && same; i++)
            same = strcmp(t->columns[t->keys[k].columns[i]].name,
                          from->columns[key->columns[i]].name) == 0;
        if (same)
            t->keys[k].index_comment = key->index_comment;
    }
}

static void copy_comments(struct table *t, const struct likeness *l)
{
    const struct table *from = l->source;
    bool indexes = l->clause->options & CREATE_TABLE_LIKE_INDEXES;
    for (int i = 0; i < from->n_keys && indexes; i++)
        copy_key_comment(t, from, &from->keys[i]);
    for (int i = 0; i < from->n_columns; i++)
        t->columns[table_column(t, from->columns[i].name)].comment = from->columns[i].comment;
    for (int i = 0; i < from->n_checks; i++)
        for (int k = 0; k < t->n_checks; k++)
            if (strcmp(t->checks[k].name, from->checks[i].name) == 0)
                t->checks[k].comment = from->checks[i].comment;
}

/* ---- the statement -----------------------------------------------------------------------------
 */

bool sql__has_like(const CreateStmt *n)
{
    for (int i = 0; i < list_length(n->tableElts); i++)
        if (IsA(list_nth(n->tableElts, i), TableLikeClause))
            return true;
    return false;
}

/* The same statement without LIKE. */
static struct error *create_from(struct analysis *a, const char *text)
{
    struct sql_script script;
    TRY(sql_parse(text, a->arena, &script));
    const struct sql_script *own = a->script;
    a->script = &script;
    struct error *e = sql__create_table(a, (const CreateStmt *)script.stmts[0].node);
    a->script = own;
    sql_script_done(&script);
    if (e)
        e->position = 0; /* it counts in a text that the user did not write */
    return e;
}

struct error *sql__create_table_like(struct analysis *a, const CreateStmt *n)
{
    int count = list_length(n->tableElts), likes = 0;
    struct likeness *l = ARENA_ARRAY(a->arena, struct likeness, count);
    for (int i = 0; i < count; i++) {
        const Node *element = list_nth(n->tableElts, i);
        if (!IsA(element, TableLikeClause))
            continue;
        l[likes].clause = (const TableLikeClause *)element;
        TRY(find_source(a, &l[likes]));
        find_bounds(a, &l[likes++]);
    }
    TRY(create_from(a, rewritten(a, l, likes)));
    for (int i = 0; i < likes && !a->q->create_table.exists; i++)
        if (l[i].clause->options & CREATE_TABLE_LIKE_INDEXES)
            TRY(add_indexes(a, &l[i]));
    for (int i = 0; i < likes && !a->q->create_table.exists; i++)
        if (l[i].clause->options & CREATE_TABLE_LIKE_COMMENTS)
            copy_comments(a->q->create_table.table, &l[i]);
    return NULL;
}
