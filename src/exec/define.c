/*
 * Definitions: the SQL that makes an index, a constraint, as PostgreSQL writes it.
 */
#include "exec/system.h"

static void print_columns(const struct table *t, const int *columns, int n, struct buf *out)
{
    for (int i = 0; i < n; i++) {
        buf_puts(out, i ? ", " : "");
        sql_quote_identifier(t->columns[columns[i]].name, out);
    }
}

/* ---- indexes -------------------------------------------------------------------------------- */

static void print_key(const struct catalog_view *v, const struct table *t,
                      const struct exec__index *x, int i, bool pretty, struct buf *out)
{
    int at = i < x->n_columns ? x->columns[i] : x->included[i - x->n_columns];
    if (at >= 0)
        sql_quote_identifier(t->columns[at].name, out);
    else
        sql_deparse_key(v, t, x->expressions[-1 - at].sql, pretty, out);
}

/* Where it is not what an index of the method has by itself. */
static void print_class(const struct exec__index *x, int i, struct buf *out)
{
    const struct opclass *c = x->classes ? opclass_by_oid(x->classes[i]) : NULL;
    if (c)
        buf_printf(out, " %s", c->name);
}

static void print_order(const struct exec__index *x, int i, struct buf *out)
{
    bool descending = x->descending && x->descending[i];
    bool first = x->nulls_first ? x->nulls_first[i] : descending;
    buf_puts(out, descending ? " DESC" : "");
    if (first != descending)
        buf_puts(out, first ? " NULLS FIRST" : " NULLS LAST");
}

/* In quotes where it is no identifier. */
static void print_option_value(const char *value, size_t n, struct buf *out)
{
    _cleanup_(mem_freep) char *word = mem_strndup(value, n);
    _cleanup_(buf_done) struct buf quoted = {0};
    sql_quote_identifier(word, &quoted);
    const char *quote = strcmp(quoted.data, word) == 0 ? "" : "'";
    buf_printf(out, "%s%s%s", quote, word, quote);
}

/* fillfactor=70,fastupdate=off -> fillfactor='70', fastupdate=off */
static void print_options(const char *options, struct buf *out)
{
    const char *between = " WITH (";
    for (const char *p = options; p && *p; between = ", ") {
        size_t name = strcspn(p, "="), value = strcspn(p + name + 1, ",");
        buf_printf(out, "%s%.*s=", between, (int)name, p);
        print_option_value(p + name + 1, value, out);
        p += name + 1 + value;
        p += *p == ',';
    }
    buf_puts(out, options ? ")" : "");
}

void exec__define_index(struct exec_session *s, const struct exec__objects *o,
                        const struct table *t, const struct exec__index *x, bool pretty,
                        struct buf *out)
{
    buf_printf(out, "CREATE %sINDEX ", x->unique ? "UNIQUE " : "");
    sql_quote_identifier(x->name, out);
    buf_puts(out, " ON ");
    exec__print_relation(s, o, t->schema, t->name, !pretty, out);
    buf_printf(out, " USING %s (", access_method_name(x->method));
    for (int i = 0; i < x->n_columns; i++) {
        buf_puts(out, i ? ", " : "");
        print_key(exec__objects_view(o), t, x, i, pretty, out);
        print_class(x, i, out);
        print_order(x, i, out);
    }
    buf_puts(out, ")");
    for (int i = 0; i < x->n_included; i++) {
        buf_puts(out, i ? ", " : " INCLUDE (");
        sql_quote_identifier(t->columns[x->included[i]].name, out);
    }
    buf_puts(out, x->n_included ? ")" : "");
    buf_puts(out, x->nulls_equal ? " NULLS NOT DISTINCT" : "");
    print_options(x->options, out);
    if (!x->where_sql)
        return;
    buf_puts(out, " WHERE ");
    sql_deparse(exec__objects_view(o), t, x->where_sql, NULL, pretty, out);
}

void exec__define_index_column(const struct catalog_view *v, const struct exec__object *o,
                               int column, bool pretty, struct buf *out)
{
    struct exec__index x;
    exec__index(o->table, o->part, &x);
    buf_puts(out, "");
    if (column >= 1 && column <= x.n_columns + x.n_included)
        print_key(v, o->table, &x, column - 1, pretty, out);
}

/* ---- constraints ---------------------------------------------------------------------------- */

static void define_check(const struct catalog_view *v, const struct table *t, const struct check *c,
                         bool pretty, struct buf *out)
{
    buf_puts(out, "CHECK (");
    sql_deparse(v, t, c->sql, NULL, pretty, out);
    buf_puts(out, c->not_valid ? ") NOT VALID" : ")");
}

static void define_foreign_key(struct exec_session *s, const struct exec__objects *all,
                               const struct table *t, const struct foreign_key *f, struct buf *out)
{
    static const struct {
        char letter;
        const char *text;
    } actions[] = {{'r', "RESTRICT"}, {'c', "CASCADE"}, {'n', "SET NULL"}, {'d', "SET DEFAULT"}};
    const struct table *to = catalog_table_by_id(exec__objects_view(all), f->table);
    buf_puts(out, "FOREIGN KEY (");
    print_columns(t, f->columns, f->n_columns, out);
    buf_puts(out, ") REFERENCES ");
    if (to) {
        exec__print_relation(s, all, to->schema, to->name, false, out);
        buf_puts(out, "(");
        print_columns(to, f->ref_columns, f->n_columns, out);
        buf_puts(out, ")");
    }
    buf_puts(out, f->match_full ? " MATCH FULL" : "");
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (actions[i].letter == f->on_update)
            buf_printf(out, " ON UPDATE %s", actions[i].text);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (actions[i].letter == f->on_delete)
            buf_printf(out, " ON DELETE %s", actions[i].text);
    if (f->n_set) {
        buf_puts(out, " (");
        print_columns(t, f->set_columns, f->n_set, out);
        buf_puts(out, ")");
    }
    if (f->deferrable)
        buf_puts(out, " DEFERRABLE");
    if (f->deferred)
        buf_puts(out, " INITIALLY DEFERRED");
    if (f->not_valid)
        buf_puts(out, " NOT VALID");
}

bool exec__define_constraint(struct exec_session *s, const struct exec__objects *all,
                             const struct exec__object *o, bool pretty, struct buf *out)
{
    const struct table *t = o->table;
    switch (o->kind) {
    case OBJECT_KEY:
        buf_puts(out, t->keys[o->part].primary       ? "PRIMARY KEY ("
                      : t->keys[o->part].nulls_equal ? "UNIQUE NULLS NOT DISTINCT ("
                                                     : "UNIQUE (");
        print_columns(t, t->keys[o->part].columns, t->keys[o->part].n_columns, out);
        buf_puts(out, ")");
        print_options(t->keys[o->part].options, out);
        buf_puts(out, t->keys[o->part].deferrable ? " DEFERRABLE" : "");
        buf_puts(out, t->keys[o->part].deferred ? " INITIALLY DEFERRED" : "");
        return true;
    case OBJECT_CHECK:
        define_check(exec__objects_view(all), t, &t->checks[o->part], pretty, out);
        return true;
    case OBJECT_FOREIGN_KEY:
        define_foreign_key(s, all, t, &t->foreign_keys[o->part], out);
        return true;
    default:
        return false;
    }
}

/* ---- views ---------------------------------------------------------------------------------- */

void exec__define_view(const struct object *view, struct buf *out)
{
    buf_printf(out, " %s;", view->sql);
}
