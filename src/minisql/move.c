/*
 * Commands that take a while at the servers, and say how it goes: `move`, `drain`, and `regions
 * --watch`. The work goes on without the shell: Ctrl-C only ends the watching.
 */
#include "minisql/minisql_int.h"

#include <strings.h>
#include <unistd.h>

enum { LOOK_MS = 500, BAR_WIDTH = 20, LINE_WIDTH = 78 };

/* ---- one line that changes --------------------------------------------------------------------
 */

static void draw(const char *text, int percent)
{
    if (!isatty(STDERR_FILENO))
        return;
    char bar[BAR_WIDTH + 1];
    int filled = percent * BAR_WIDTH / 100;
    memset(bar, '#', (size_t)filled);
    memset(bar + filled, '.', (size_t)(BAR_WIDTH - filled));
    bar[BAR_WIDTH] = 0;
    fprintf(stderr, "\r[%s] %-*.*s", bar, LINE_WIDTH - BAR_WIDTH - 3, LINE_WIDTH - BAR_WIDTH - 3,
            text);
}

static void undraw(void)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%*s\r", LINE_WIDTH, "");
}

static bool pause_a_moment(void)
{
    for (unsigned ms = 0; ms < LOOK_MS && !minisql__interrupted; ms += 50)
        sleep_ms(50);
    return !minisql__interrupted;
}

/* ---- move -------------------------------------------------------------------------------------
 */

static char *quoted(struct session *s, const char *text)
{
    char *q = PQescapeLiteral(s->conn, text, strlen(text));
    char *own = mem_strdup(q ? q : "''");
    PQfreemem(q);
    return own;
}

static bool listed(const char *names, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = names; p && *p; p += strcspn(p, ","), p += strspn(p, ", "))
        if (strncmp(p, name, n) == 0 && (p[n] == 0 || p[n] == ','))
            return true;
    return false;
}

enum where { MOVE_UNDER_WAY, MOVE_DONE, MOVE_GIVEN_UP, MOVE_UNKNOWN };

static enum where look(struct session *s, const char *sql, const char *from, const char *to)
{
    PGresult *r = minisql__query(s, sql, true);
    enum where where = MOVE_UNKNOWN; /* the server that we ask has its own troubles */
    if (r && PQntuples(r) == 1) {
        const char *primary = PQgetvalue(r, 0, 0), *backups = PQgetvalue(r, 0, 1);
        bool learns = listed(PQgetvalue(r, 0, 2), to);
        bool arrived = strcmp(primary, to) == 0 || listed(backups, to);
        bool left = strcmp(primary, from) != 0 && !listed(backups, from);
        where = arrived && left ? MOVE_DONE : arrived || learns ? MOVE_UNDER_WAY : MOVE_GIVEN_UP;
        if (where == MOVE_UNDER_WAY)
            draw(PQgetvalue(r, 0, 3), arrived ? 100 : atoi(PQgetvalue(r, 0, 4)));
    }
    PQclear(r);
    return where;
}

static enum outcome watch_move(struct session *s, const char *table, const char *from,
                               const char *to)
{
    _cleanup_(mem_freep) char *t = quoted(s, table), *server = quoted(s, to);
    _cleanup_(mem_freep) char *sql = mem_printf(
        "SELECT r.primary_server, r.backups, r.learners, r.progress, "
        "(SELECT 100 * done_bytes / total_bytes FROM minisql_learners l WHERE l.region = r.region "
        "AND l.server = %s AND total_bytes > 0) FROM minisql_tables t JOIN minisql_regions r ON "
        "r.region = t.region WHERE t.name = %s",
        server, t);
    enum where where;
    do
        where = look(s, sql, from, to);
    while ((where == MOVE_UNDER_WAY || where == MOVE_UNKNOWN) && pause_a_moment());
    undraw();
    if (where == MOVE_GIVEN_UP) {
        minisql__complain(
            s, "the move was given up: server \"%s\" or its disk is down; the copy stays on \"%s\"",
            to, from);
        return RUN_FAILED;
    }
    if (!s->quiet)
        fprintf(s->out, where == MOVE_DONE ? "Moved.\n" : "It goes on; `regions` shows how.\n");
    return RUN_OK;
}

enum outcome minisql__move(struct session *s, const char *table, const char *from, const char *to)
{
    _cleanup_(mem_freep) char *t = quoted(s, table), *f = quoted(s, from), *target = quoted(s, to);
    _cleanup_(mem_freep) char *sql = mem_printf("CALL minisql_move(%s, %s, %s)", t, f, target);
    PGresult *r = minisql__query(s, sql, false);
    if (!r)
        return RUN_FAILED;
    PQclear(r);
    return watch_move(s, table, from, to);
}

/* ---- drain ------------------------------------------------------------------------------------
 */

struct left {
    int copies;    /* on the server, primaries and those in the making counted */
    int primaries; /* of them */
    int stuck;     /* of them: there is no other server for it, nothing is under way */
};

static bool has_copy(const PGresult *regions, int row, const char *server)
{
    for (int column = 0; column < 3; column++)
        if (listed(PQgetvalue(regions, row, column), server))
            return true;
    return false;
}

/* Is there a server that a copy of the region could go to? */
static bool has_room(const PGresult *regions, int row, const PGresult *servers)
{
    for (int i = 0; i < PQntuples(servers); i++)
        if (!has_copy(regions, row, PQgetvalue(servers, i, 0)))
            return true;
    return false;
}

static bool count_left(struct session *s, const char *server, struct left *ret)
{
    PGresult *servers = minisql__query(
        s, "SELECT name FROM minisql_servers WHERE status = 'up' AND roles LIKE '%region%'", true);
    PGresult *regions =
        servers ? minisql__query(s, "SELECT primary_server, backups, learners FROM minisql_regions",
                                 true)
                : NULL;
    if (regions)
        *ret = (struct left){0};
    for (int i = 0; regions && i < PQntuples(regions); i++) {
        if (!has_copy(regions, i, server))
            continue;
        ret->copies++;
        ret->primaries += strcmp(PQgetvalue(regions, i, 0), server) == 0;
        ret->stuck += !*PQgetvalue(regions, i, 2) && !has_room(regions, i, servers);
    }
    bool ok = regions != NULL;
    PQclear(regions);
    PQclear(servers);
    return ok;
}

/* Until nothing is left, or nothing has changed for a while about what can't go. */
static struct left watch_drain(struct session *s, const char *server)
{
    enum { ROUNDS = 4 };
    struct left left = {.copies = 1};
    int most = 0;
    for (int stuck = 0; left.copies && stuck < ROUNDS;
         stuck = left.copies == left.stuck ? stuck + 1 : 0) {
        if (count_left(s, server, &left)) {
            char text[80];
            most = MAX(most, left.copies);
            snprintf(text, sizeof(text), "%d copies left, %d of them primaries", left.copies,
                     left.primaries);
            draw(text, most ? 100 - 100 * left.copies / most : 100);
        }
        if (!left.copies || !pause_a_moment())
            break;
    }
    undraw();
    return left;
}

static enum outcome tell_drained(struct session *s, const char *server)
{
    struct left left = watch_drain(s, server);
    if (left.copies && left.copies == left.stuck) {
        minisql__complain(s,
                          "server \"%s\" keeps %d copies, %d of them primaries: there is no other "
                          "server for them. Start one; or stop this one and have a copy less.",
                          server, left.copies, left.primaries);
        return RUN_FAILED;
    }
    if (!s->quiet && left.copies)
        fprintf(s->out, "It goes on; `regions` shows how.\n");
    else if (!s->quiet)
        fprintf(s->out, "Server \"%s\" holds nothing: it can be stopped.\n", server);
    return RUN_OK;
}

enum outcome minisql__drain(struct session *s, const char *server, bool undo)
{
    _cleanup_(mem_freep) char *name = quoted(s, server);
    _cleanup_(mem_freep) char *sql =
        mem_printf("CALL %s(%s)", undo ? "minisql_undrain" : "minisql_drain", name);
    PGresult *r = minisql__query(s, sql, false);
    if (!r)
        return RUN_FAILED;
    PQclear(r);
    if (!undo)
        return tell_drained(s, server);
    if (!s->quiet)
        fprintf(s->out, "Server \"%s\" is in use again.\n", server);
    return RUN_OK;
}

/* ---- regions --watch --------------------------------------------------------------------------
 */

enum outcome minisql__watch_regions(struct session *s)
{
    bool known;
    do {
        if (isatty(STDOUT_FILENO) && s->out == stdout)
            fputs("\033[H\033[J", stdout);
        enum outcome outcome = minisql__operate(s, "regions", false, &known);
        fflush(s->out);
        if (outcome != RUN_OK)
            return outcome;
    } while (pause_a_moment());
    return RUN_OK;
}
