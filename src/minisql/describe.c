/* \d, \dt and \di, from the views minisql_tables, minisql_columns and minisql_indexes. */
#include "minisql/minisql_int.h"

#include <ctype.h>
#include <strings.h>

/* A query with one name in it, as a literal. */
static PGresult *query_with_name(struct session *s, const char *format, const char *name)
{
    char *literal = PQescapeLiteral(s->conn, name, strlen(name));
    if (!literal) {
        minisql__complain(s, "%s", PQerrorMessage(s->conn));
        return NULL;
    }
    _cleanup_(buf_done) struct buf sql = {0};
    const char *mark = strchr(format, '?');
    buf_append(&sql, format, (size_t)(mark - format));
    buf_puts(&sql, literal);
    buf_puts(&sql, mark + 1);
    PQfreemem(literal);
    return minisql__query(s, sql.data, false);
}

/* As SQL reads names: folded to lower case unless quoted; `public.` is where tables are. */
static char *fold_name(const char *name)
{
    if (strncasecmp(name, "public.", 7) == 0)
        name += 7;
    size_t n = strlen(name);
    if (n > 1 && name[0] == '"' && name[n - 1] == '"')
        return mem_strndup(name + 1, n - 2);
    char *folded = mem_strdup(name);
    for (char *p = folded; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return folded;
}

static bool is_yes(const char *value)
{
    return value[0] == 't' || value[0] == 'y' || value[0] == 'Y' || value[0] == '1';
}

static void append_indexes(struct session *s, const char *table, struct buf *text)
{
    PGresult *r = query_with_name(s,
                                  "SELECT index_name, columns, is_unique, is_primary FROM "
                                  "minisql_indexes WHERE table_name = ? ORDER BY index_name",
                                  table);
    for (int i = 0; r && i < PQntuples(r); i++) {
        if (i == 0)
            buf_puts(text, "Indexes:\n");
        const char *kind = is_yes(PQgetvalue(r, i, 3))   ? " PRIMARY KEY"
                           : is_yes(PQgetvalue(r, i, 2)) ? " UNIQUE"
                                                         : "";
        buf_printf(text, "    \"%s\"%s (%s)\n", PQgetvalue(r, i, 0), kind, PQgetvalue(r, i, 1));
    }
    PQclear(r);
}

static void append_copies(struct session *s, const char *table, struct buf *text)
{
    PGresult *r = query_with_name(
        s, "SELECT region, primary_server, backups FROM minisql_tables WHERE name = ?", table);
    for (int i = 0; r && i < PQntuples(r); i++)
        buf_printf(text, "Region %s: primary on %s, backups on %s\n", PQgetvalue(r, i, 0),
                   *PQgetvalue(r, i, 1) ? PQgetvalue(r, i, 1) : "none",
                   *PQgetvalue(r, i, 2) ? PQgetvalue(r, i, 2) : "none");
    PQclear(r);
}

static const char *column_cell(const struct minisql_table *t, size_t row, size_t column)
{
    const PGresult *r = t->source;
    const char *value = PQgetvalue(r, (int)row, (int)column);
    if (column == 2)
        return is_yes(value) ? "" : "not null";
    return PQgetisnull(r, (int)row, (int)column) ? "" : value;
}

enum outcome minisql__describe(struct session *s, const char *name)
{
    static const char *const names[] = {"Column", "Type", "Nullable", "Default"};
    static const enum minisql_kind kinds[4] = {MINISQL_TEXT};
    _cleanup_(mem_freep) char *table = fold_name(name);
    PGresult *r = query_with_name(s,
                                  "SELECT column_name, type, nullable, default_value FROM "
                                  "minisql_columns WHERE table_name = ? ORDER BY position",
                                  table);
    if (!r)
        return RUN_FAILED;
    if (PQntuples(r) == 0) {
        minisql__complain(s, "Did not find any relation named \"%s\".", table);
        PQclear(r);
        return RUN_FAILED;
    }
    _cleanup_(buf_done) struct buf footer = {0};
    buf_puts(&footer, "");
    append_indexes(s, table, &footer);
    append_copies(s, table, &footer);
    _cleanup_(mem_freep) char *title = mem_printf("Table \"public.%s\"", table);
    struct minisql_table t = {.columns = 4,
                              .rows = (size_t)PQntuples(r),
                              .title = title,
                              .names = names,
                              .kinds = kinds,
                              .cell = column_cell,
                              .source = r,
                              .footer = footer.data};
    minisql__draw(s, &t);
    PQclear(r);
    return RUN_OK;
}

static enum outcome list(struct session *s, const char *sql, const char *title, const char *none)
{
    PGresult *r = minisql__query(s, sql, false);
    if (!r)
        return RUN_FAILED;
    if (PQntuples(r) == 0 && s->style.format == MINISQL_ALIGNED)
        fprintf(s->out, "%s\n", none);
    else
        minisql__show(s, r, title);
    PQclear(r);
    return RUN_OK;
}

enum outcome minisql__list_tables(struct session *s)
{
    return list(s,
                "SELECT name AS \"Name\", records AS \"Records\", primary_server AS \"Primary\", "
                "backups AS \"Backups\" FROM minisql_tables ORDER BY name",
                "List of tables", "There are no tables yet.");
}

enum outcome minisql__list_indexes(struct session *s)
{
    return list(s,
                "SELECT index_name AS \"Name\", table_name AS \"Table\", columns AS \"Columns\", "
                "is_unique AS \"Unique\" FROM minisql_indexes ORDER BY table_name, index_name",
                "List of indexes", "There are no indexes yet.");
}
