/*
 * System relations that grow with the catalog, as virtual tables of a gather plan's database.
 *
 * With thousands of tables, pg_attribute and its like have hundreds of thousands of rows, of which
 * a statement about one table wants ten. So these relations are not copied into the database (as
 * others are, gather.c): SQLite's planner sees what it can look up, and joins by that.
 *
 *   narrow     column = oid of a relation, or of a part of one: the maker looks at the table that
 *              it is or belongs to, and at nothing else (m->only). Costs as much as its rows.
 *   skimmed    column = value, where the maker passes over other rows before it makes them: done
 *              for the first values that a statement asks for, which often are all.
 *   looked up  any other column = value: all rows are made, once in a statement, and a hash of the
 *              column's values points at them. As SQLite's automatic indexes, which virtual tables
 *              don't get.
 *   full       all rows, made once, too.
 *
 * What is given may be more than what was asked for: SQLite looks at each row again. All rows of a
 * statement are made of one view of the catalog, so that it does not matter how often, and in which
 * order, they are asked for; relations of which that is not true are copied.
 */
#include "exec/system.h"

#include <math.h>

/* The relations. Columns are named with commas between them. */
static const struct keys {
    const char *relation;
    const char *narrow;    /* all rows with a value in one are about the relation with this oid, or
                              the one that the part with this oid belongs to; the maker minds that */
    const char *selective; /* few rows have the same value in it */
    const char *skimmed;   /* of these, those that can be */
} virtual_relations[] = {
    {"pg_class", "oid", "relname", NULL},
    {"pg_attribute", "attrelid", NULL, NULL},
    {"pg_attrdef", "adrelid", "oid", NULL},
    {"pg_index", "indexrelid, indrelid", NULL, NULL},
    {"pg_constraint", "conrelid", "oid, conname, conindid, confrelid, contypid", NULL},
    {"pg_sequence", "seqrelid", NULL, NULL},
    {"pg_type", NULL, "oid, typrelid, typname", "oid, typrelid"},
    {"pg_proc", NULL, "oid, proname", NULL},
    {"pg_rewrite", NULL, "oid, ev_class", NULL},
    {"pg_depend", NULL, "objid, refobjid", NULL},
    {"pg_description", NULL, "objoid", NULL}};

/* A relation in a statement; lives as long as the database. */
struct exec__virtual {
    struct run *run;
    const struct plan_scan *scan;
    const struct keys *keys;
    const char *create;  /* CREATE TABLE, as SQLite wants it declared */
    struct error *error; /* SQLite knows only that there was one */
    struct rows *all;    /* NULL: not made yet */
    int skimmed;         /* so often */
};

struct rows {
    struct arena arena;
    int n_columns;
    size_t n, cap;
    struct value **rows;
    struct lookup *lookups; /* by column; what is not used is NULL */
};

/* Rows of one value are linked, the first one's number + 1 is in the map. */
struct lookup {
    struct map first;
    size_t *next;
};

struct virtual_table {
    sqlite3_vtab base;
    struct exec__virtual *v;
};

struct cursor {
    sqlite3_vtab_cursor base;
    struct rows *own; /* made for this cursor; NULL: they are v->all */
    const struct rows *rows;
    const struct lookup *lookup; /* NULL: one row after the other */
    size_t at;                   /* number of a row + 1; 0: the end */
};

/* ---- rows ----------------------------------------------------------------------------------- */

static void rows_free(struct rows *r)
{
    if (!r)
        return;
    for (int i = 0; i < r->n_columns && r->lookups; i++)
        map_done(&r->lookups[i].first);
    mem_free(r->rows);
    arena_done(&r->arena);
    mem_free(r);
}

static struct error *keep_row(void *ctx, const struct value *values, int n)
{
    struct rows *r = ctx;
    struct value *row = ARENA_ARRAY(&r->arena, struct value, MAX(n, 1));
    for (int i = 0; i < n; i++) {
        row[i] = values[i];
        if (row[i].kind == VALUE_TEXT || row[i].kind == VALUE_BLOB)
            row[i].s.p = arena_strndup(&r->arena, values[i].s.p, values[i].s.n);
    }
    if (r->n == r->cap) {
        r->cap = MAX((size_t)16, r->cap * 2);
        r->rows = mem_realloc(r->rows, r->cap * sizeof(*r->rows));
    }
    r->rows[r->n++] = row;
    return NULL;
}

/* key NULL: all rows. NULL: failed. */
static struct rows *make_rows(struct exec__virtual *v, int column, const struct value *key,
                              bool narrow)
{
    struct rows *r = NEW(struct rows);
    r->n_columns = v->scan->n_columns;
    r->arena.block = key ? 512 : 0;
    v->error = exec__system_rows_of(v->run, v->scan, column, key, narrow, keep_row, r);
    if (!v->error)
        return r;
    rows_free(r);
    return NULL;
}

static struct rows *all_rows(struct exec__virtual *v)
{
    if (!v->all)
        v->all = make_rows(v, -1, NULL, false);
    return v->all;
}

/* Equal values have equal bytes: 1 and 1.0, too. */
static void put_key(struct buf *b, const struct value *v)
{
    int64_t i = v->i;
    bool whole = v->kind == VALUE_REAL && v->r >= -0x1p62 && v->r <= 0x1p62 && v->r == rint(v->r);
    if (whole)
        i = (int64_t)v->r;
    buf_put8(b, whole ? VALUE_INT : (uint8_t)v->kind);
    if (v->kind == VALUE_TEXT || v->kind == VALUE_BLOB)
        buf_append(b, v->s.p, v->s.n);
    else
        buf_append(b, &i, sizeof(i));
}

static const struct lookup *lookup_of(struct rows *r, int column)
{
    if (!r->lookups)
        r->lookups = ARENA_ARRAY(&r->arena, struct lookup, r->n_columns);
    struct lookup *l = &r->lookups[column];
    if (l->next)
        return l;
    l->next = ARENA_ARRAY(&r->arena, size_t, r->n + 1);
    struct buf key = {0};
    for (size_t i = r->n; i > 0; i--) { /* so that they come in their order */
        key.len = 0;
        put_key(&key, &r->rows[i - 1][column]);
        l->next[i - 1] =
            (size_t)(uintptr_t)map_put(&l->first, key.data, key.len, (void *)(uintptr_t)i);
    }
    buf_done(&key);
    return l;
}

static size_t first_of(const struct lookup *l, const struct value *v)
{
    struct buf key = {0};
    put_key(&key, v);
    size_t at = (size_t)(uintptr_t)map_get(&l->first, key.data, key.len);
    buf_done(&key);
    return at;
}

static struct value given(sqlite3_value *v)
{
    const char *p = NULL;
    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER:
        return (struct value){.kind = VALUE_INT, .i = sqlite3_value_int64(v)};
    case SQLITE_FLOAT:
        return (struct value){.kind = VALUE_REAL, .r = sqlite3_value_double(v)};
    case SQLITE_TEXT:
        p = (const char *)sqlite3_value_text(v);
        return (struct value){.kind = VALUE_TEXT, .s = {p, (size_t)sqlite3_value_bytes(v)}};
    case SQLITE_BLOB:
        p = sqlite3_value_blob(v);
        return (struct value){.kind = VALUE_BLOB,
                              .s = {p ? p : "", (size_t)sqlite3_value_bytes(v)}};
    default:
        return (struct value){.kind = VALUE_NULL};
    }
}

/* Rows may go before what SQLite was given of them. */
static void give(sqlite3_context *out, const struct value *v)
{
    if (v->kind == VALUE_INT)
        sqlite3_result_int64(out, v->i);
    else if (v->kind == VALUE_REAL)
        sqlite3_result_double(out, v->r);
    else if (v->kind == VALUE_TEXT)
        sqlite3_result_text64(out, v->s.p, v->s.n, SQLITE_TRANSIENT, SQLITE_UTF8);
    else if (v->kind == VALUE_BLOB)
        sqlite3_result_blob64(out, v->s.p, v->s.n, SQLITE_TRANSIENT);
}

/* ---- what SQLite calls ------------------------------------------------------------------------
 */

static int connect(sqlite3 *db, void *ctx, int argc, const char *const *argv, sqlite3_vtab **ret,
                   char **error)
{
    struct exec__virtual *v = ctx;
    (void)argc, (void)argv, (void)error;
    int rc = sqlite3_declare_vtab(db, v->create);
    if (rc)
        return rc;
    struct virtual_table *t = NEW(struct virtual_table);
    t->v = v;
    *ret = &t->base;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base)
{
    mem_free(base);
    return SQLITE_OK;
}

static bool names(const char *list, const char *column)
{
    size_t n = strlen(column);
    for (const char *p = list; p && *p; p += strspn(p, ", ")) {
        size_t len = strcspn(p, ",");
        if (len == n && memcmp(p, column, n) == 0)
            return true;
        p += len;
    }
    return false;
}

static const char *column_name(const struct exec__virtual *v, int column)
{
    return v->scan->rte->columns[v->scan->columns[column]].name;
}

enum how { FULL, LOOKED_UP, SELECTIVE, NARROW };

static enum how how_good(sqlite3_index_info *info, int i, const struct exec__virtual *v)
{
    int column = info->aConstraint[i].iColumn;
    if (!info->aConstraint[i].usable || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ ||
        column < 0 || column >= v->scan->n_columns ||
        strcmp(sqlite3_vtab_collation(info, i), "BINARY") != 0)
        return FULL;
    const char *name = column_name(v, column);
    return names(v->keys->narrow, name)      ? NARROW
           : names(v->keys->selective, name) ? SELECTIVE
                                             : LOOKED_UP;
}

/* idxNum: 0, or the column + 1, below 0 for one that narrows. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const struct exec__virtual *v = ((struct virtual_table *)(void *)base)->v;
    const struct catalog_view *view = v->run->view;
    double all = 1000 + 10 * (double)(view->n_tables + view->n_sequences + view->n_objects);
    const double costs[] = {[FULL] = all, [LOOKED_UP] = all / 20, [SELECTIVE] = 60, [NARROW] = 30};
    const double rows[] = {[FULL] = all, [LOOKED_UP] = all / 20, [SELECTIVE] = 4, [NARROW] = 4};
    enum how best = FULL;
    int at = -1;
    for (int i = 0; i < info->nConstraint; i++) {
        enum how how = how_good(info, i, v);
        if (how > best) {
            best = how;
            at = i;
        }
    }
    if (at >= 0) {
        int column = info->aConstraint[at].iColumn + 1;
        info->idxNum = best == NARROW ? -column : column;
        info->aConstraintUsage[at].argvIndex = 1;
    }
    info->estimatedCost = costs[best];
    info->estimatedRows = (sqlite3_int64)rows[best];
    return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
    (void)base;
    *ret = &NEW(struct cursor)->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    struct cursor *c = (struct cursor *)(void *)base;
    rows_free(c->own);
    mem_free(c);
    return SQLITE_OK;
}

static bool skims(struct exec__virtual *v, int column)
{
    enum { OFTEN = 16 };
    return !v->all && names(v->keys->skimmed, column_name(v, column)) && v->skimmed++ < OFTEN;
}

static int make_own_rows(struct cursor *c, struct exec__virtual *v, int column,
                         const struct value *key, bool narrow)
{
    if (key->kind != VALUE_INT) /* no oid */
        return SQLITE_OK;
    c->own = make_rows(v, column, key, narrow);
    c->rows = c->own;
    c->at = c->own && c->own->n > 0;
    return c->own ? SQLITE_OK : SQLITE_ERROR;
}

static int filter(sqlite3_vtab_cursor *base, int index, const char *unused, int argc,
                  sqlite3_value **argv)
{
    struct cursor *c = (struct cursor *)(void *)base;
    struct exec__virtual *v = ((struct virtual_table *)(void *)base->pVtab)->v;
    struct value key = argc ? given(argv[0]) : (struct value){.kind = VALUE_NULL};
    (void)unused;
    rows_free(c->own);
    c->own = NULL;
    c->lookup = NULL;
    c->at = 0;
    if (index && key.kind == VALUE_NULL)
        return SQLITE_OK;
    if (index < 0)
        return make_own_rows(c, v, -index - 1, &key, true);
    if (index && key.kind == VALUE_INT && skims(v, index - 1))
        return make_own_rows(c, v, index - 1, &key, false);
    struct rows *all = all_rows(v);
    if (!all)
        return SQLITE_ERROR;
    c->rows = all;
    c->lookup = index ? lookup_of(all, index - 1) : NULL;
    c->at = c->lookup ? first_of(c->lookup, &key) : all->n > 0;
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base)
{
    struct cursor *c = (struct cursor *)(void *)base;
    if (c->lookup)
        c->at = c->lookup->next[c->at - 1];
    else
        c->at = c->at < c->rows->n ? c->at + 1 : 0;
    return SQLITE_OK;
}

static int eof(sqlite3_vtab_cursor *base)
{
    return ((struct cursor *)(void *)base)->at == 0;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *out, int i)
{
    const struct cursor *c = (struct cursor *)(void *)base;
    if (i < c->rows->n_columns)
        give(out, &c->rows->rows[c->at - 1][i]);
    return SQLITE_OK;
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
    *ret = (sqlite3_int64)((struct cursor *)(void *)base)->at;
    return SQLITE_OK;
}

/* No xCreate: it exists without CREATE VIRTUAL TABLE, under the module's name. */
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

/* ---- in a gather plan --------------------------------------------------------------------------
 */

static void virtual_free(void *ctx)
{
    struct exec__virtual *v = ctx;
    rows_free(v->all);
    error_free(v->error);
    mem_free(v);
}

static const struct keys *keys_of(const struct table *t)
{
    for (size_t i = 0; i < ARRAY_LEN(virtual_relations) && t->oid; i++)
        if (strcmp(virtual_relations[i].relation, t->name) == 0)
            return &virtual_relations[i];
    return NULL;
}

bool exec__is_virtual(const struct plan_scan *scan)
{
    return keys_of(scan->rte->table) != NULL;
}

struct error *exec__virtual_add(struct run *r, sqlite3 *db, const struct plan_scan *scan,
                                const char *name, const char *create, struct exec__virtual **ret)
{
    struct exec__virtual *v = NEW(struct exec__virtual);
    v->run = r;
    v->scan = scan;
    v->keys = keys_of(scan->rte->table);
    v->create = create;
    exec__system_view(r);
    int rc = sqlite3_create_module_v2(db, name, &module, v, virtual_free); /* v is its own now */
    *ret = rc ? NULL : v;
    return rc ? types_sqlite_error(db, rc) : NULL;
}

struct error *exec__virtual_error(struct exec__virtual *v)
{
    struct error *e = v->error;
    v->error = NULL;
    return e;
}
