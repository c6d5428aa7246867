/*
 * SQLite's errors in PostgreSQL's words. What one of our functions raised travels as text that
 * begins with \1 (see give_error in sqlite.c) and comes back whole. The rest is told apart by its
 * code, and constraint failures by SQLite's message, which names columns but not constraints: the
 * caller, who knows the catalog, may replace `constraint` by the declared name.
 */
#include "types/types_int.h"

#include <sqlite3.h>
#include <stdio.h>

static char *next_field(char **cursor)
{
    char *field = *cursor, *end = strchr(field, 1);
    if (end) {
        *end = 0;
        *cursor = end + 1;
    } else {
        *cursor = field + strlen(field);
    }
    return field;
}

static struct error *decode_raised(const char *text)
{
    char *copy = mem_strdup(text + 1), *cursor = copy;
    const char *state = next_field(&cursor), *message = next_field(&cursor);
    struct error *e = error_new(state, "%s", message);
    char **const rest[] = {&e->detail, &e->hint,     &e->table,     &e->column,
                           &e->schema, &e->datatype, &e->constraint};
    for (size_t i = 0; i < ARRAY_LEN(rest); i++) { /* as types__error_text() has them */
        const char *field = next_field(&cursor);
        *rest[i] = *field ? mem_strdup(field) : NULL;
    }
    mem_free(copy);
    return e;
}

static bool after(const char *text, const char *prefix, const char **ret_rest)
{
    size_t n = strlen(prefix);
    if (strncmp(text, prefix, n) != 0)
        return false;
    *ret_rest = text + n;
    return true;
}

/* "t.a, t.b" -> table "t", column "a, b". Names with ", t." inside would confuse this; they end up
 * in the text only. */
static void split_columns(const char *list, struct error *e)
{
    const char *point = strchr(list, '.');
    if (!point)
        return;
    size_t n = (size_t)(point - list);
    struct buf columns = {0};
    for (const char *p = list; p;) {
        if (strncmp(p, list, n) != 0 || p[n] != '.')
            break;
        const char *column = p + n + 1, *end = strstr(column, ", ");
        buf_printf(&columns, "%s%.*s", columns.len ? ", " : "",
                   end ? (int)(end - column) : (int)strlen(column), column);
        p = end ? end + 2 : NULL;
    }
    e->table = mem_strndup(list, n);
    e->column = columns.data;
}

/* PostgreSQL's own naming: t_pkey for a primary key, t_a_b_key for UNIQUE (a, b). */
static char *default_name(const struct error *e, bool primary)
{
    if (primary)
        return mem_printf("%s_pkey", e->table);
    struct buf name = {0};
    buf_puts(&name, e->table);
    buf_puts(&name, "_");
    for (const char *p = e->column; *p; p++) {
        if (p[0] == ',' && p[1] == ' ') {
            buf_puts(&name, "_");
            p++;
        } else {
            buf_append(&name, p, 1);
        }
    }
    buf_puts(&name, "_key");
    return name.data;
}

static struct error *unique_error(const char *text, bool primary)
{
    const char *rest;
    struct error *e = error_new(E_UNIQUE, "duplicate key value violates a unique constraint");
    if (after(text, "UNIQUE constraint failed: index '", &rest))
        e->constraint = mem_strndup(rest, strcspn(rest, "'"));
    else if (after(text, "UNIQUE constraint failed: ", &rest))
        split_columns(rest, e);
    if (e->table && e->column)
        e->constraint = default_name(e, primary);
    if (e->constraint) {
        mem_free(e->message);
        e->message =
            mem_printf("duplicate key value violates unique constraint \"%s\"", e->constraint);
    }
    return e;
}

static struct error *not_null_error(const char *text)
{
    const char *rest;
    struct error *e = error_new(E_NOT_NULL, "null value violates not-null constraint");
    if (after(text, "NOT NULL constraint failed: ", &rest))
        split_columns(rest, e);
    if (e->table && e->column) {
        mem_free(e->message);
        e->message = mem_printf(
            "null value in column \"%s\" of relation \"%s\" violates not-null constraint",
            e->column, e->table);
    }
    return e;
}

static struct error *check_error(const char *text)
{
    const char *name;
    if (!after(text, "CHECK constraint failed: ", &name))
        return error_new(E_CHECK, "new row violates a check constraint");
    struct error *e = error_new(E_CHECK, "new row violates check constraint \"%s\"", name);
    e->constraint = mem_strdup(name);
    return e;
}

static struct error *constraint_error(int extended, const char *text)
{
    switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
        return unique_error(text, false);
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return unique_error(text, true);
    case SQLITE_CONSTRAINT_NOTNULL:
        return not_null_error(text);
    case SQLITE_CONSTRAINT_CHECK:
        return check_error(text);
    case SQLITE_CONSTRAINT_FOREIGNKEY:
    case SQLITE_CONSTRAINT_TRIGGER:
        return error_new(E_FOREIGN_KEY, "insert, update or delete violates foreign key constraint");
    default:
        return error_new("23000", "%s", text);
    }
}

/* Errors that SQLite itself raises with SQLITE_ERROR and that a statement can provoke. */
static const struct {
    const char *text, *sqlstate, *message;
} known[] = {
    {"integer overflow", E_OUT_OF_RANGE, "bigint out of range"},
    {"argument of ntile must be a positive integer", "22014",
     "argument of ntile must be greater than zero"},
    {"second argument to nth_value must be a positive integer", "22016",
     "argument of nth_value must be greater than zero"},
    {"frame starting offset must be a non-negative integer", "22013",
     "frame starting offset must not be negative"},
    {"frame ending offset must be a non-negative integer", "22013",
     "frame ending offset must not be negative"},
    {"frame starting offset must be a non-negative number", "22013",
     "invalid preceding or following size in window function"},
    {"frame ending offset must be a non-negative number", "22013",
     "invalid preceding or following size in window function"},
    {"parser stack overflow", "54001", "the statement is nested too deeply"},
    {"too many SQL variables", "54023", "too many parameters or constants in a statement"},
    {"at most 64 tables in a join", "54000", "at most 64 tables can be joined in a statement"},
};

static struct error *plain_error(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(text, known[i].text) == 0)
            return error_new(known[i].sqlstate, "%s", known[i].message);
    if (strncmp(text, "Expression tree is too large", 28) == 0)
        return error_hint(error_new("54001", "the statement is nested too deeply"),
                          "Split the expression: its depth is limited to %d.", 1000);
    if (strncmp(text, "too many ", 9) == 0)
        return error_new("54000", "the statement is too large: %s", text);
    return error_new(E_INTERNAL, "%s", text);
}

static const struct {
    int code;
    const char *sqlstate, *message; /* NULL: SQLite's own */
} codes[] = {
    {SQLITE_FULL, E_DISK_FULL, "could not write: the disk is full"},
    {SQLITE_IOERR, E_IO, NULL},
    {SQLITE_CANTOPEN, E_IO, NULL},
    {SQLITE_PERM, E_IO, NULL},
    {SQLITE_CORRUPT, E_DAMAGED, NULL},
    {SQLITE_NOTADB, E_DAMAGED, NULL},
    {SQLITE_INTERRUPT, E_CANCELED, "canceling statement due to user request"},
    {SQLITE_TOOBIG, "54000", "a value or statement is too large"},
    {SQLITE_BUSY, "55P03", "the table is locked by another transaction"},
    {SQLITE_LOCKED, "55P03", "the table is locked by another transaction"},
    {SQLITE_NOMEM, E_OUT_OF_MEMORY, "out of memory"},
    {SQLITE_READONLY, "25006", NULL},
    /* twice while one statement was compiled */
    {SQLITE_SCHEMA, E_STALE_SCHEMA, "the schema has changed"},
};

struct error *types_sqlite_error(sqlite3 *db, int rc)
{
    const char *text = sqlite3_errmsg(db);
    int extended = sqlite3_extended_errcode(db);
    if ((extended & 0xff) != (rc & 0xff)) {
        extended = rc; /* the connection has moved on since: its text belongs to something else */
        text = sqlite3_errstr(rc);
    } else if (text[0] == 1)
        return decode_raised(text);
    rc &= 0xff;
    if (rc == SQLITE_CONSTRAINT)
        return constraint_error(extended, text);
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i].code != rc)
            continue;
        struct error *e = codes[i].message ? error_new(codes[i].sqlstate, "%s", codes[i].message)
                                           : error_new(codes[i].sqlstate, "storage: %s", text);
        return rc == SQLITE_FULL ? error_hint(e, "Free some space; nothing was changed.") : e;
    }
    return plain_error(text);
}

/* SQLite 3.40 leaves out a LEFT JOIN that nothing reads, and with it the ON of a join around it
 * where a RIGHT JOIN comes before: a RIGHT JOIN b ON .. JOIN (c LEFT JOIN d ON ..) ON b.x = 7. A
 * connection that meets one stops to do so, for good: statements are compiled anew by themselves.
 */
static void avoid_omission(sqlite3 *db, const char *sql, size_t len)
{
    if (memmem(sql, len, " RIGHT JOIN ", 12) || memmem(sql, len, " FULL JOIN ", 11))
        sqlite3_test_control(SQLITE_TESTCTRL_OPTIMIZATIONS, db, BLOOM_FILTER | OMIT_NOOP_JOIN);
}

/* SQLite looks for the name of each parameter among those of all: `?7` has one, `?` has none, and
 * is the next number. So a long statement has `?` where that is the same; false: it has none. */
static bool without_names(const char *sql, size_t len, struct buf *out)
{
    enum { TOO_MANY = 1000000 };
    uint32_t next = 1;
    char quote = 0;
    const char *kept = sql, *end = sql + len;
    for (const char *p = sql; p < end; p++) {
        if (quote || *p == '\'' || *p == '"') {
            quote = !quote ? *p : *p == quote ? 0 : quote; /* a doubled one ends and begins */
            continue;
        }
        if (*p != '?')
            continue;
        uint32_t number = 0;
        const char *after = p + 1;
        for (; after < end && *after >= '0' && *after <= '9'; after++)
            number = MIN(number * 10 + (uint32_t)(*after - '0'), TOO_MANY);
        if (number == next || after == p + 1) {
            buf_append(out, kept, (size_t)(p + 1 - kept));
            kept = after;
        }
        next = after == p + 1 ? next + 1 : MAX(next, number + 1);
        p = after - 1;
    }
    buf_append(out, kept, (size_t)(end - kept));
    return kept > sql;
}

int types_sqlite_prepare(sqlite3 *db, const char *sql, size_t len, unsigned flags,
                         sqlite3_stmt **ret)
{
    enum { LONG = 4096 };
    _cleanup_(buf_done) struct buf plain = {0};
    avoid_omission(db, sql, len);
    if (len > LONG && without_names(sql, len, &plain)) {
        sql = plain.data;
        len = plain.len;
    }
    return sqlite3_prepare_v3(db, sql, (int)len, flags, ret, NULL);
}
