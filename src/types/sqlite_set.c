/*
 * minisql_set(): functions that return rows, as a table-valued function of SQLite.
 *
 *   minisql_set('unnest(2277)/2;generate_series(23,23)/2', array, type, 1, 5)
 *
 * The first argument names the functions by their keys, each with how many of the other arguments
 * are its own. They run side by side, as in ROWS FROM: the columns of the first, then those of the
 * second, .. NULL where one has ended, until all have; then one more column, the number of the row.
 * An empty name stands for its one argument as a table of one row. Arguments may mention what
 * stands to the left in FROM: SQLite then computes the rows anew for each of them.
 */
#include "types/types_int.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>

enum { MAX_COLUMNS = 64, MAX_ARGS = 64, MAX_SETS = 16 };

void types_set_key(const struct func *f, struct buf *out)
{
    buf_printf(out, "%s(", f->name);
    for (int i = 0; i < f->nargs; i++)
        buf_printf(out, "%s%u", i ? "," : "", f->args[i]);
    buf_puts(out, ")");
}

/* By key; written once. */
static struct map sets;
static pthread_once_t sets_once = PTHREAD_ONCE_INIT;

static void build_sets(void)
{
    size_t n;
    const struct func *rows = func_table(&n);
    for (size_t i = 0; i < n; i++) {
        _cleanup_(buf_done) struct buf key = {0};
        if (rows[i].kind != FUNC_SET)
            continue;
        types_set_key(&rows[i], &key);
        map_put_str(&sets, key.data, (void *)(uintptr_t)&rows[i]);
    }
}

/* ---- the cursor
 * ---------------------------------------------------------------------------------- */

struct running {
    const struct func *f; /* NULL: its argument itself */
    void *state;
    struct value item; /* f NULL */
    int n_columns;
    bool end;
};

struct cursor {
    sqlite3_vtab_cursor base;
    struct arena call, row; /* what the states need; what the current row needs */
    struct running sets[MAX_SETS];
    int n_sets, n_columns;
    struct value values[MAX_COLUMNS];
    int64_t number;
    bool end;
};

static int fail(struct cursor *c, struct error *e)
{
    char *text = types__error_text(e);
    error_free(e);
    sqlite3_free(c->base.pVtab->zErrMsg);
    c->base.pVtab->zErrMsg = sqlite3_mprintf("%s", text);
    mem_free(text);
    return SQLITE_ERROR;
}

/* One row of one set into c->values from `at` on. */
static struct error *advance(struct cursor *c, struct running *r, int at)
{
    struct value *to = c->values + at;
    bool more = !r->end;
    for (int i = 0; i < r->n_columns; i++)
        to[i] = (struct value){.kind = VALUE_NULL};
    if (more && r->f) {
        TRY(r->f->set->next(r->state, &c->row, to, &more));
    } else if (more) {
        to[0] = r->item;
        r->end = true;
        return NULL;
    }
    for (int i = 0; i < r->n_columns && !more; i++)
        to[i] = (struct value){.kind = VALUE_NULL};
    r->end = !more;
    return NULL;
}

static int next(sqlite3_vtab_cursor *base)
{
    struct cursor *c = (struct cursor *)base;
    int at = 0;
    bool any = false;
    arena_reset(&c->row);
    for (int i = 0; i < c->n_sets; i++) {
        struct running *r = &c->sets[i];
        bool was_end = r->end;
        struct error *e = advance(c, r, at);
        if (e)
            return fail(c, e);
        any |= !r->end || (!r->f && !was_end);
        at += r->n_columns;
    }
    c->number++;
    c->end = !any;
    return SQLITE_OK;
}

/* Copies an argument: SQLite's own is gone after xFilter. */
static struct value copy_of(sqlite3_value *v, struct arena *a)
{
    struct value own = value_of_sqlite(v);
    if (own.kind == VALUE_TEXT || own.kind == VALUE_BLOB)
        own.s.p = arena_strndup(a, own.s.p, own.s.n);
    return own;
}

static struct error *open_set(struct cursor *c, struct running *r, struct value *args, int n)
{
    bool skip = false;
    if (r->f && n != r->f->nargs + r->f->typed && !r->f->variadic)
        return error_new(E_INTERNAL, "minisql_set: %s got %d arguments", r->f->name, n);
    for (int i = 0; r->f && i < n; i++) {
        bool hidden = r->f->typed && i == n - 1;
        uint32_t type = hidden ? OID_INT8 : r->f->args[MIN(i, r->f->nargs - 1)];
        TRY(types__check_kind(type, &args[i]));
        skip |= args[i].kind == VALUE_NULL && r->f->strict;
    }
    r->end = skip;
    if (!r->f && n == 1)
        r->item = args[0];
    return skip || !r->f ? NULL : r->f->set->open(args, n, &c->call, &r->state);
}

/* Reads one "key/count;" and opens that set. */
static struct error *add_set(struct cursor *c, const char **spec, struct value *args, int n,
                             int *used)
{
    const char *slash = strchr(*spec, '/');
    int count = 0, len = 0;
    if (!slash || sscanf(slash, "/%d%n", &count, &len) != 1 || count < 0 || count > n - *used ||
        c->n_sets == MAX_SETS)
        return error_new(E_INTERNAL, "minisql_set: a specification that is none");
    struct running *r = &c->sets[c->n_sets];
    *r = (struct running){.n_columns = 1};
    if (slash > *spec) {
        char *key = arena_strndup(&c->call, *spec, (size_t)(slash - *spec));
        r->f = map_get_str(&sets, key);
        if (!r->f)
            return error_new(E_INTERNAL, "minisql_set: there is no %s", key);
        r->n_columns = r->f->set->n_columns;
    }
    if (c->n_columns + r->n_columns > MAX_COLUMNS)
        return error_new("54000", "too many columns of functions in FROM");
    TRY(open_set(c, r, args + *used, count));
    c->n_sets++;
    c->n_columns += r->n_columns;
    *used += count;
    *spec = slash + len;
    if (**spec == ';')
        ++*spec;
    return NULL;
}

static int filter(sqlite3_vtab_cursor *base, int index, const char *name, int argc,
                  sqlite3_value **argv)
{
    struct cursor *c = (struct cursor *)base;
    struct value args[MAX_ARGS];
    int used = 0;
    pthread_once(&sets_once, build_sets);
    arena_reset(&c->call);
    c->n_sets = c->n_columns = 0;
    c->number = 0;
    c->end = false;
    const char *spec = argc ? (const char *)sqlite3_value_text(argv[0]) : NULL;
    struct error *e = spec ? NULL : error_new(E_INTERNAL, "minisql_set: no specification");
    spec = e ? "" : arena_strdup(&c->call, spec);
    for (int i = 1; i < argc && i <= MAX_ARGS; i++)
        args[i - 1] = copy_of(argv[i], &c->call);
    while (!e && *spec)
        e = add_set(c, &spec, args, argc - 1, &used);
    return e ? fail(c, e) : next(base);
}

/* ---- the rest of a virtual table
 * ------------------------------------------------------------------ */

static int connect(sqlite3 *db, void *ctx, int argc, const char *const *argv, sqlite3_vtab **ret,
                   char **error)
{
    _cleanup_(buf_done) struct buf b = {0};
    buf_puts(&b, "CREATE TABLE x(");
    for (int i = 1; i <= MAX_COLUMNS; i++)
        buf_printf(&b, "c%d, ", i);
    buf_puts(&b, "spec HIDDEN");
    for (int i = 1; i <= MAX_ARGS; i++)
        buf_printf(&b, ", a%d HIDDEN", i);
    buf_puts(&b, ")");
    int rc = sqlite3_declare_vtab(db, b.data);
    if (rc != SQLITE_OK)
        return rc;
    *ret = NEW(sqlite3_vtab);
    return sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
}

static int disconnect(sqlite3_vtab *t)
{
    mem_free(t);
    return SQLITE_OK;
}

/* All arguments have to be there: any other order of the join is impossible. They go to xFilter in
 * their own order, which is that of their columns. */
static int best_index(sqlite3_vtab *t, sqlite3_index_info *info)
{
    int given[MAX_ARGS + 1], n = 0;
    for (int i = 0; i <= MAX_ARGS; i++)
        given[i] = -1;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *c = &info->aConstraint[i];
        int arg = c->iColumn - MAX_COLUMNS;
        if (arg < 0 || arg > MAX_ARGS || c->op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        if (!c->usable)
            return SQLITE_CONSTRAINT;
        given[arg] = i;
    }
    while (n <= MAX_ARGS && given[n] >= 0) {
        info->aConstraintUsage[given[n]].argvIndex = n + 1;
        info->aConstraintUsage[given[n]].omit = 1;
        n++;
    }
    /* Not known here. A small number has SQLite call it again for each row of a large table that it
     * is joined with, rather than build an index on that. */
    info->estimatedCost = 1000;
    info->estimatedRows = 1000;
    return n ? SQLITE_OK : SQLITE_CONSTRAINT;
}

static int open_cursor(sqlite3_vtab *t, sqlite3_vtab_cursor **ret)
{
    struct cursor *c = NEW(struct cursor);
    *ret = &c->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    struct cursor *c = (struct cursor *)base;
    arena_done(&c->call);
    arena_done(&c->row);
    mem_free(c);
    return SQLITE_OK;
}

static int eof(sqlite3_vtab_cursor *base)
{
    return ((struct cursor *)base)->end;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *out, int i)
{
    struct cursor *c = (struct cursor *)base;
    if (i < c->n_columns)
        types__give(out, &c->values[i]);
    else if (i == c->n_columns)
        sqlite3_result_int64(out, c->number);
    return SQLITE_OK;
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
    *ret = ((struct cursor *)base)->number;
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .xConnect = connect,
    .xBestIndex = best_index,
    .xDisconnect = disconnect,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = eof,
    .xColumn = column,
    .xRowid = row_id,
};

int types__register_set(sqlite3 *db)
{
    return sqlite3_create_module_v2(db, "minisql_set", &module, NULL, NULL);
}
