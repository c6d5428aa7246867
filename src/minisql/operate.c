/*
 * What an operator asks: status, servers, tables, regions; and `clear`. All of it is read from
 * views that every server offers, so any server answers. With --json and --csv the views' own
 * values are given, without the rounding and marks that are meant for eyes.
 */
#include "minisql/minisql_int.h"

#include <inttypes.h>
#include <strings.h>
#include <time.h>

static bool is_true(const char *value)
{
    return value[0] == 't' || value[0] == 'y' || value[0] == '1';
}

static bool for_eyes(const struct session *s)
{
    return s->style.format == MINISQL_ALIGNED || s->style.format == MINISQL_UNALIGNED;
}

static const char *text_at(const PGresult *r, int row, const char *column)
{
    int i = PQfnumber(r, column);
    return i < 0 ? "" : PQgetvalue(r, row, i);
}

static uint64_t number_at(const PGresult *r, int row, const char *column)
{
    return strtoull(text_at(r, row, column), NULL, 10);
}

static char *size_text(uint64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    size_t unit = 0;
    double n = (double)bytes;
    for (; n >= 10240 && unit + 1 < ARRAY_LEN(units); unit++)
        n /= 1024;
    return mem_printf("%.0f %s", n, units[unit]);
}

/* ---- tables for eyes: a query's rows with some columns rewritten --------------------------------
 */

struct view {
    const PGresult *result;
    int column[9];    /* which of the result's */
    char **rewritten; /* rows x columns, NULL: as it is */
    size_t columns;
};

static const char *view_cell(const struct minisql_table *t, size_t row, size_t column)
{
    const struct view *v = t->source;
    char *text = v->rewritten[row * v->columns + column];
    return text ? text : PQgetvalue(v->result, (int)row, v->column[column]);
}

struct view_column {
    const char *title, *source;
    enum minisql_kind kind;
    char *(*rewrite)(const PGresult *r, int row); /* may be NULL */
};

static enum outcome show_view(struct session *s, const char *sql, const struct view_column *columns,
                              size_t n)
{
    PGresult *r = minisql__query(s, sql, false);
    if (!r)
        return RUN_FAILED;
    if (!for_eyes(s)) {
        minisql__show(s, r, NULL);
        PQclear(r);
        return RUN_OK;
    }
    size_t rows = (size_t)PQntuples(r);
    struct view v = {.result = r, .columns = n, .rewritten = mem_zalloc(rows * n * sizeof(char *))};
    const char *titles[9];
    enum minisql_kind kinds[9];
    for (size_t c = 0; c < n; c++) {
        titles[c] = columns[c].title;
        kinds[c] = columns[c].kind;
        v.column[c] = PQfnumber(r, columns[c].source);
        for (size_t i = 0; columns[c].rewrite && i < rows; i++)
            v.rewritten[i * n + c] = columns[c].rewrite(r, (int)i);
    }
    struct minisql_table t = {.columns = n,
                              .rows = rows,
                              .names = titles,
                              .kinds = kinds,
                              .cell = view_cell,
                              .source = &v,
                              .footer = ""};
    minisql__draw(s, &t);
    for (size_t i = 0; i < rows * n; i++)
        mem_free(v.rewritten[i]);
    mem_free(v.rewritten);
    PQclear(r);
    return RUN_OK;
}

static char *mark_master(const PGresult *r, int row)
{
    return mem_strdup(is_true(text_at(r, row, "master")) ? "master" : "");
}

static char *human_bytes(const PGresult *r, int row)
{
    return size_text(number_at(r, row, "bytes"));
}

/* Milliseconds since 1970 become a time of this machine's zone; anything else stays. */
static char *human_time(const PGresult *r, int row)
{
    const char *text = text_at(r, row, "started");
    if (!*text || text[strspn(text, "0123456789")])
        return NULL;
    time_t t = (time_t)(strtoull(text, NULL, 10) / 1000);
    struct tm tm;
    char out[32];
    strftime(out, sizeof(out), "%Y-%m-%d %H:%M:%S", localtime_r(&t, &tm));
    return mem_strdup(out);
}

static enum outcome do_servers(struct session *s, bool yes)
{
    static const struct view_column columns[] = {{"server", "name", MINISQL_TEXT, NULL},
                                                 {"address", "address", MINISQL_TEXT, NULL},
                                                 {"status", "status", MINISQL_TEXT, NULL},
                                                 {"master", "master", MINISQL_TEXT, mark_master},
                                                 {"roles", "roles", MINISQL_TEXT, NULL},
                                                 {"tables", "tables", MINISQL_NUMBER, NULL},
                                                 {"records", "records", MINISQL_NUMBER, NULL},
                                                 {"size", "bytes", MINISQL_NUMBER, human_bytes},
                                                 {"started", "started", MINISQL_TEXT, human_time}};
    return show_view(s,
                     "SELECT name, address, roles, status, master, tables, records, bytes, started "
                     "FROM minisql_servers ORDER BY name",
                     columns, ARRAY_LEN(columns));
}

static enum outcome do_tables(struct session *s, bool yes)
{
    static const struct view_column columns[] = {{"table", "name", MINISQL_TEXT, NULL},
                                                 {"region", "region", MINISQL_NUMBER, NULL},
                                                 {"primary", "primary_server", MINISQL_TEXT, NULL},
                                                 {"backups", "backups", MINISQL_TEXT, NULL},
                                                 {"records", "records", MINISQL_NUMBER, NULL}};
    return show_view(s,
                     "SELECT name, region, primary_server, backups, records FROM minisql_tables "
                     "ORDER BY name",
                     columns, ARRAY_LEN(columns));
}

static enum outcome do_regions(struct session *s, bool yes)
{
    static const struct view_column columns[] = {{"region", "region", MINISQL_NUMBER, NULL},
                                                 {"tables", "tables", MINISQL_TEXT, NULL},
                                                 {"epoch", "epoch", MINISQL_NUMBER, NULL},
                                                 {"primary", "primary_server", MINISQL_TEXT, NULL},
                                                 {"backups", "backups", MINISQL_TEXT, NULL},
                                                 {"learners", "learners", MINISQL_TEXT, NULL},
                                                 {"status", "status", MINISQL_TEXT, NULL},
                                                 {"progress", "progress", MINISQL_TEXT, NULL}};
    return show_view(s,
                     "SELECT region, tables, epoch, primary_server, backups, learners, status, "
                     "progress FROM minisql_regions ORDER BY region",
                     columns, ARRAY_LEN(columns));
}

/* ---- status ------------------------------------------------------------------------------------
 */

struct health {
    size_t servers, up, regions, healthy;
    uint64_t tables, records, bytes;
    bool counted; /* `records` holds every table: not when one's primary could not be asked */
    const char *master, *master_address; /* in the servers' result */
};

/* Who is drained may be stopped. */
static bool is_as_it_should_be(const char *status)
{
    return strcasecmp(status, "up") == 0 || strncasecmp(status, "drained", 7) == 0;
}

static struct health sum_up(const PGresult *servers, const PGresult *regions,
                            const PGresult *tables)
{
    struct health h = {.servers = (size_t)PQntuples(servers),
                       .regions = (size_t)PQntuples(regions),
                       .tables = (uint64_t)PQntuples(tables)};
    for (int i = 0; i < PQntuples(servers); i++) {
        h.up += is_as_it_should_be(text_at(servers, i, "status"));
        h.bytes += number_at(servers, i, "bytes");
        if (is_true(text_at(servers, i, "master"))) {
            h.master = text_at(servers, i, "name");
            h.master_address = text_at(servers, i, "address");
        }
    }
    for (int i = 0; i < PQntuples(regions); i++)
        h.healthy += strcasecmp(text_at(regions, i, "status"), "healthy") == 0;
    h.counted = true;
    for (int i = 0; i < PQntuples(tables); i++) {
        h.records += number_at(tables, i, "records");
        h.counted &= *text_at(tables, i, "records") != 0;
    }
    return h;
}

static void print_health(struct session *s, const struct health *h, const PGresult *servers,
                         const PGresult *regions)
{
    fprintf(s->out, "servers   %zu up, %zu down\n", h->up, h->servers - h->up);
    for (int i = 0; i < PQntuples(servers); i++)
        if (strcasecmp(text_at(servers, i, "status"), "up") != 0)
            fprintf(s->out, "          %s (%s) is %s\n", text_at(servers, i, "name"),
                    text_at(servers, i, "address"), text_at(servers, i, "status"));
    if (h->master)
        fprintf(s->out, "master    %s (%s)\n", h->master, h->master_address);
    else
        fprintf(s->out, "master    none: an election is under way\n");
    fprintf(s->out, "tables    %" PRIu64, h->tables);
    if (h->counted)
        fprintf(s->out, " with %" PRIu64 " records", h->records);
    fputc('\n', s->out);
    fprintf(s->out, "regions   %zu healthy, %zu degraded\n", h->healthy, h->regions - h->healthy);
    for (int i = 0; i < PQntuples(regions); i++)
        if (strcasecmp(text_at(regions, i, "status"), "healthy") != 0)
            fprintf(s->out, "          region %s (%s) is %s: primary %s, backups %s, learners %s\n",
                    text_at(regions, i, "region"), text_at(regions, i, "tables"),
                    text_at(regions, i, "status"), text_at(regions, i, "primary_server"),
                    text_at(regions, i, "backups"), text_at(regions, i, "learners"));
}

static void print_health_json(struct session *s, const struct health *h)
{
    _cleanup_(mem_freep) char *master =
        h->master ? mem_printf("\"%s\"", h->master) : mem_strdup("null");
    _cleanup_(mem_freep) char *records =
        h->counted ? mem_printf("%" PRIu64, h->records) : mem_strdup("null");
    fprintf(s->out,
            "{\"servers\": %zu, \"servers_up\": %zu, \"master\": %s, \"tables\": %" PRIu64
            ", \"records\": %s, \"bytes\": %" PRIu64
            ", \"regions\": %zu, \"regions_healthy\": %zu}\n",
            h->servers, h->up, master, h->tables, records, h->bytes, h->regions, h->healthy);
}

/* RUN_FAILED when something is wrong with the cluster, so that a script sees it. */
static enum outcome do_status(struct session *s, bool yes)
{
    PGresult *servers = minisql__query(
        s, "SELECT name, address, status, master, bytes FROM minisql_servers ORDER BY name", false);
    PGresult *regions =
        servers ? minisql__query(s,
                                 "SELECT region, tables, primary_server, backups, "
                                 "learners, status FROM minisql_regions ORDER BY region",
                                 false)
                : NULL;
    PGresult *tables =
        regions ? minisql__query(s, "SELECT name, records FROM minisql_tables", false) : NULL;
    enum outcome outcome = RUN_FAILED;
    if (tables) {
        struct health h = sum_up(servers, regions, tables);
        if (for_eyes(s))
            print_health(s, &h, servers, regions);
        else
            print_health_json(s, &h);
        if (h.up == h.servers && h.healthy == h.regions && h.master)
            outcome = RUN_OK;
    }
    PQclear(servers);
    PQclear(regions);
    PQclear(tables);
    return outcome;
}

/* ---- clear -------------------------------------------------------------------------------------
 */

/* With the views that read them. Drops what can be dropped; tables that others refer to have to
 * wait for those. */
static size_t drop_pass(struct session *s, const PGresult *tables, bool *dropped, char **ret_reason)
{
    size_t n = 0;
    for (int i = 0; i < PQntuples(tables); i++) {
        if (dropped[i])
            continue;
        const char *name = PQgetvalue(tables, i, 0), *in = PQgetvalue(tables, i, 1);
        char *quoted = PQescapeIdentifier(s->conn, name, strlen(name));
        char *schema = PQescapeIdentifier(s->conn, in, strlen(in));
        _cleanup_(mem_freep) char *sql =
            mem_printf("DROP TABLE %s.%s CASCADE", schema ? schema : "", quoted ? quoted : "");
        PQfreemem(quoted);
        PQfreemem(schema);
        PGresult *r = PQexec(s->conn, sql);
        if (PQresultStatus(r) == PGRES_COMMAND_OK) {
            dropped[i] = true;
            n++;
        } else {
            mem_free(*ret_reason);
            *ret_reason = mem_strdup(PQerrorMessage(s->conn));
        }
        PQclear(r);
    }
    return n;
}

static enum outcome drop_all(struct session *s, const PGresult *tables)
{
    size_t n = (size_t)PQntuples(tables), done = 0;
    bool *dropped = mem_zalloc(n);
    _cleanup_(mem_freep) char *reason = NULL;
    for (size_t now; done < n && (now = drop_pass(s, tables, dropped, &reason)) > 0;)
        done += now;
    mem_free(dropped);
    s->names_stale = true;
    if (!s->quiet)
        fprintf(s->out, "%zu table%s dropped.\n", done, done == 1 ? "" : "s");
    if (done == n)
        return RUN_OK;
    minisql__complain(s, "%s", reason ? reason : "not all tables could be dropped");
    return RUN_FAILED;
}

static enum outcome do_clear(struct session *s, bool yes)
{
    PGresult *tables =
        minisql__query(s,
                       "SELECT tablename, schemaname FROM pg_tables WHERE schemaname NOT IN "
                       "('pg_catalog', 'information_schema') ORDER BY 2, 1",
                       false);
    if (!tables)
        return RUN_FAILED;
    enum outcome outcome = RUN_OK;
    if (!yes && !(s->input && !s->input->file)) {
        minisql__complain(s,
                          "clear drops every table. Where nobody can be asked, write clear --yes.");
        outcome = RUN_FAILED;
    } else if (PQntuples(tables) == 0) {
        fprintf(s->out, "There are no tables.\n");
    } else {
        _cleanup_(mem_freep) char *question =
            mem_printf("Drop every table (%d) with all rows? [y/N] ", PQntuples(tables));
        _cleanup_(mem_freep) char *answer = yes ? NULL : minisql__prompt_line(s, question);
        if (yes || (answer && (answer[0] == 'y' || answer[0] == 'Y')))
            outcome = drop_all(s, tables);
        else
            fprintf(s->out, "Nothing was dropped.\n");
    }
    PQclear(tables);
    return outcome;
}

enum outcome minisql__operate(struct session *s, const char *word, bool yes, bool *ret_known)
{
    static const struct {
        const char *word;
        enum outcome (*run)(struct session *s, bool yes);
    } commands[] = {{"status", do_status},
                    {"servers", do_servers},
                    {"tables", do_tables},
                    {"regions", do_regions},
                    {"clear", do_clear}};
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcasecmp(word, commands[i].word) == 0) {
            *ret_known = true;
            return commands[i].run(s, yes);
        }
    *ret_known = false;
    return RUN_OK;
}
