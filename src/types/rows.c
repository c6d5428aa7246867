/*
 * A table as a value, and back: what SQLite lacks to run LATERAL.
 *
 *   minisql_pack(a, b, ..)   aggregate: its rows as one blob
 *   minisql_rows(blob)       table-valued function: those rows, as columns c1, c2, ..
 *
 * A subquery in SQLite's FROM does not see what stands to its left; the argument of a table-valued
 * function does, and it may be a subquery. So  FROM t, LATERAL (SELECT ..) s  becomes
 * FROM t JOIN minisql_rows((SELECT minisql_pack(c1, ..) FROM (SELECT ..))) AS s, which SQLite can
 * run in one order only: t first.
 *
 * The blob is made and read in one statement on one connection, but somebody may call
 * minisql_rows() on anything: what does not read as rows ends the table with an error.
 * Encoding: for each row its count of values (2 bytes), then for each a tag and its bytes.
 */
#include "types/types_int.h"

#include <sqlite3.h>

enum { MAX_COLUMNS = TYPES_MAX_PACKED };

/* ---- packing ------------------------------------------------------------------------------ */

struct pack {
    struct buf *rows; /* owned */
};

static void put(struct buf *out, const void *p, size_t n)
{
    buf_append(out, p, n);
}

static void put_value(struct buf *out, sqlite3_value *v)
{
    char tag = (char)sqlite3_value_type(v);
    put(out, &tag, 1);
    switch (tag) {
    case SQLITE_INTEGER: {
        sqlite3_int64 i = sqlite3_value_int64(v);
        put(out, &i, sizeof(i));
        break;
    }
    case SQLITE_FLOAT: {
        double r = sqlite3_value_double(v);
        put(out, &r, sizeof(r));
        break;
    }
    case SQLITE_TEXT:
    case SQLITE_BLOB: {
        const void *p =
            tag == SQLITE_TEXT ? (const void *)sqlite3_value_text(v) : sqlite3_value_blob(v);
        uint32_t n = p ? (uint32_t)sqlite3_value_bytes(v) : 0;
        put(out, &n, sizeof(n));
        put(out, p ? p : "", n);
        break;
    }
    default:
        break;
    }
}

static void pack_step(sqlite3_context *c, int n, sqlite3_value **args)
{
    struct pack *p = sqlite3_aggregate_context(c, sizeof(*p));
    if (!p) {
        sqlite3_result_error_nomem(c);
        return;
    }
    if (!p->rows)
        p->rows = NEW(struct buf);
    if (p->rows->len > TEXT_MAX_BYTES) {
        sqlite3_result_error_toobig(c);
        return;
    }
    uint16_t count = (uint16_t)n;
    put(p->rows, &count, sizeof(count));
    for (int i = 0; i < n; i++)
        put_value(p->rows, args[i]);
}

static void pack_value(struct buf *out, const struct value *v)
{
    static const char tags[] = {[VALUE_NULL] = SQLITE_NULL,
                                [VALUE_INT] = SQLITE_INTEGER,
                                [VALUE_REAL] = SQLITE_FLOAT,
                                [VALUE_TEXT] = SQLITE_TEXT,
                                [VALUE_BLOB] = SQLITE_BLOB};
    put(out, &tags[v->kind], 1);
    if (v->kind == VALUE_INT) {
        put(out, &v->i, sizeof(v->i));
    } else if (v->kind == VALUE_REAL) {
        put(out, &v->r, sizeof(v->r));
    } else if (v->kind != VALUE_NULL) {
        uint32_t n = (uint32_t)v->s.n;
        put(out, &n, sizeof(n));
        put(out, v->s.p, n);
    }
}

struct error *types_pack_row(struct buf *out, const struct value *values, int n)
{
    if (out->len > TEXT_MAX_BYTES)
        return error_hint(error_new("54000", "the statement holds too many rows at once"),
                          "Write fewer rows, or read fewer from other tables, in one statement.");
    uint16_t count = (uint16_t)n;
    put(out, &count, sizeof(count));
    for (int i = 0; i < n; i++)
        pack_value(out, &values[i]);
    return NULL;
}

static void free_rows(void *p)
{
    mem_free(p);
}

static void pack_final(sqlite3_context *c)
{
    struct pack *p = sqlite3_aggregate_context(c, 0);
    if (!p || !p->rows) {
        sqlite3_result_null(c);
        return;
    }
    struct buf *b = p->rows;
    p->rows = NULL;
    sqlite3_result_blob64(c, b->data, b->len, free_rows); /* now it is SQLite's */
    mem_free(b);
}

/* ---- unpacking ---------------------------------------------------------------------------- */

struct cursor {
    sqlite3_vtab_cursor base;
    char *data;     /* owned */
    size_t len, at; /* at: of the next row */
    sqlite3_int64 row;
    bool end;
    int n; /* values of the current row: into data */
    struct value values[MAX_COLUMNS];
};

static int connect(sqlite3 *db, void *ctx, int argc, const char *const *argv, sqlite3_vtab **ret,
                   char **error)
{
    (void)ctx, (void)argc, (void)argv, (void)error;
    struct buf b = {0};
    buf_puts(&b, "CREATE TABLE x(");
    for (int i = 1; i <= MAX_COLUMNS; i++)
        buf_printf(&b, "c%d, ", i);
    buf_puts(&b, "packed HIDDEN)");
    int rc = sqlite3_declare_vtab(db, b.data);
    buf_done(&b);
    if (rc != SQLITE_OK)
        return rc;
    *ret = NEW(sqlite3_vtab);
    sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *t)
{
    mem_free(t);
    return SQLITE_OK;
}

/* The blob has to be there: any other order of the join is impossible. */
static int best_index(sqlite3_vtab *t, sqlite3_index_info *info)
{
    (void)t;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *c = &info->aConstraint[i];
        if (c->iColumn != MAX_COLUMNS || c->op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        if (!c->usable)
            return SQLITE_CONSTRAINT;
        info->aConstraintUsage[i].argvIndex = 1;
        info->aConstraintUsage[i].omit = 1;
        info->estimatedCost = 100;
        info->estimatedRows = 10;
        return SQLITE_OK;
    }
    return SQLITE_CONSTRAINT;
}

static int open_cursor(sqlite3_vtab *t, sqlite3_vtab_cursor **ret)
{
    (void)t;
    struct cursor *c = NEW(struct cursor);
    *ret = &c->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    struct cursor *c = (struct cursor *)base;
    mem_free(c->data);
    mem_free(c);
    return SQLITE_OK;
}

static bool take(struct cursor *c, void *to, size_t n)
{
    if (c->len - c->at < n)
        return false;
    memcpy(to, c->data + c->at, n);
    c->at += n;
    return true;
}

static bool take_value(struct cursor *c, struct value *ret)
{
    char tag;
    uint32_t n;
    if (!take(c, &tag, 1))
        return false;
    switch (tag) {
    case SQLITE_NULL:
        ret->kind = VALUE_NULL;
        return true;
    case SQLITE_INTEGER:
        ret->kind = VALUE_INT;
        return take(c, &ret->i, sizeof(ret->i));
    case SQLITE_FLOAT:
        ret->kind = VALUE_REAL;
        return take(c, &ret->r, sizeof(ret->r));
    case SQLITE_TEXT:
    case SQLITE_BLOB:
        if (!take(c, &n, sizeof(n)) || c->len - c->at < n)
            return false;
        ret->kind = tag == SQLITE_TEXT ? VALUE_TEXT : VALUE_BLOB;
        ret->s.p = c->data + c->at;
        ret->s.n = n;
        c->at += n;
        return true;
    default:
        return false;
    }
}

static int next(sqlite3_vtab_cursor *base)
{
    struct cursor *c = (struct cursor *)base;
    uint16_t n;
    c->row++;
    c->end = c->at == c->len;
    if (c->end)
        return SQLITE_OK;
    if (!take(c, &n, sizeof(n)) || n > MAX_COLUMNS)
        return SQLITE_CORRUPT_VTAB;
    c->n = n;
    for (int i = 0; i < n; i++) {
        if (!take_value(c, &c->values[i]))
            return SQLITE_CORRUPT_VTAB;
    }
    return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int index, const char *name, int argc,
                  sqlite3_value **argv)
{
    (void)index, (void)name;
    struct cursor *c = (struct cursor *)base;
    const void *p = argc == 1 ? sqlite3_value_blob(argv[0]) : NULL;
    mem_free(c->data);
    c->data = NULL;
    c->len = p ? (size_t)sqlite3_value_bytes(argv[0]) : 0;
    c->at = 0;
    c->row = 0;
    if (c->len) {
        c->data = mem_alloc(c->len);
        memcpy(c->data, p, c->len);
    }
    return next(base);
}

static int eof(sqlite3_vtab_cursor *base)
{
    return ((struct cursor *)base)->end;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *out, int i)
{
    struct cursor *c = (struct cursor *)base;
    if (i < c->n)
        types__give(out, &c->values[i]);
    return SQLITE_OK;
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
    *ret = ((struct cursor *)base)->row;
    return SQLITE_OK;
}

/* No xCreate: it exists without CREATE VIRTUAL TABLE, and only so. */
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

int types__register_rows(sqlite3 *db)
{
    int rc = sqlite3_create_function_v2(db, "minisql_pack", -1, SQLITE_UTF8 | SQLITE_INNOCUOUS,
                                        NULL, NULL, pack_step, pack_final, NULL);
    return rc == SQLITE_OK ? sqlite3_create_module_v2(db, "minisql_rows", &module, NULL, NULL) : rc;
}
