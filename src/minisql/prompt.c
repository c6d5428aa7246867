/*
 * The prompt: editing and history by libedit, and completion. What is completed depends on the word
 * before: tables after FROM, files after \i, commands at the start, else columns, tables, keywords.
 * Names are asked of the server when they may have changed, never inside a transaction.
 */
#include "minisql/minisql_int.h"

#include <ctype.h>
#include <editline/readline.h>
#include <strings.h>
#include <unistd.h>

#define HISTORY_LENGTH 2000

static struct session *prompting; /* libedit's callbacks carry no argument */

/* ---- history -----------------------------------------------------------------------------------
 */

static char *history_path(void)
{
    const char *path = getenv("MINISQL_HISTORY"), *home = getenv("HOME");
    if (path)
        return mem_strdup(path);
    return home ? mem_printf("%s/.minisql_history", home) : NULL;
}

void minisql__remember(const char *statement)
{
    /* one entry, one line: so that recalling it gives a line that can be edited */
    char *line = mem_strdup(statement);
    if (!strstr(line, "--"))
        for (char *p = line; *p; p++)
            if (*p == '\n')
                *p = ' ';
    HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
    if (*line && !(last && last->line && strcmp(last->line, line) == 0))
        add_history(line);
    mem_free(line);
}

/* ---- names -------------------------------------------------------------------------------------
 */

void minisql__names_done(struct names *n)
{
    for (size_t i = 0; i < n->n; i++)
        mem_free(n->v[i]);
    mem_free(n->v);
    *n = (struct names){0};
}

static void names_from(struct session *s, const char *sql, struct names *names)
{
    PGresult *r = minisql__query(s, sql, true);
    if (!r)
        return; /* no completion is no reason to disturb what is typed */
    minisql__names_done(names);
    names->n = (size_t)PQntuples(r);
    names->v = mem_alloc(names->n * sizeof(*names->v));
    for (size_t i = 0; i < names->n; i++)
        names->v[i] = mem_strdup(PQgetvalue(r, (int)i, 0));
    PQclear(r);
}

static void refresh_names(struct session *s)
{
    if (!s->names_stale || PQtransactionStatus(s->conn) != PQTRANS_IDLE)
        return;
    names_from(s, "SELECT name FROM minisql_tables ORDER BY name", &s->tables);
    names_from(s, "SELECT DISTINCT column_name FROM minisql_columns ORDER BY column_name",
               &s->columns);
    s->names_stale = false;
}

/* ---- completion --------------------------------------------------------------------------------
 */

static const char *const starts[] = {
    "SELECT",     "INSERT INTO", "UPDATE",       "DELETE FROM",  "WITH",
    "VALUES",     "TABLE",       "CREATE TABLE", "CREATE INDEX", "CREATE UNIQUE INDEX",
    "DROP TABLE", "DROP INDEX",  "TRUNCATE",     "BEGIN",        "COMMIT",
    "ROLLBACK",   "SAVEPOINT",   "RELEASE",      "EXPLAIN",      "COPY",
    "SHOW",       "SET",         "ALTER TABLE",  "quit",         "exit",
    "clear",      "execfile",    "help",         "status",       "servers",
    "tables",     "regions"};
static const char *const keywords[] = {"AND",        "AS",           "ASC",
                                       "AVG",        "BETWEEN",      "BY",
                                       "CASE",       "CAST",         "CHECK",
                                       "CONFLICT",   "COUNT",        "CROSS",
                                       "DEFAULT",    "DESC",         "DISTINCT",
                                       "DO",         "ELSE",         "END",
                                       "EXCEPT",     "EXISTS",       "FALSE",
                                       "FILTER",     "FROM",         "FULL",
                                       "GROUP BY",   "HAVING",       "IN",
                                       "INNER",      "INTERSECT",    "INTO",
                                       "IS",         "JOIN",         "LEFT",
                                       "LIKE",       "LIMIT",        "MAX",
                                       "MIN",        "NOT",          "NOTHING",
                                       "NULL",       "OFFSET",       "ON",
                                       "OR",         "ORDER BY",     "OUTER",
                                       "OVER",       "PARTITION BY", "PRIMARY KEY",
                                       "REFERENCES", "RETURNING",    "RIGHT",
                                       "SELECT",     "SET",          "SUM",
                                       "TABLE",      "THEN",         "TRUE",
                                       "UNION",      "UNIQUE",       "UPDATE",
                                       "USING",      "VALUES",       "WHEN",
                                       "WHERE",      "WITH",         "bigint",
                                       "boolean",    "char",         "double precision",
                                       "float",      "int",          "integer",
                                       "real",       "smallint",     "text",
                                       "varchar"};
static const char *const backslashes[] = {
    "\\?",    "\\c",   "\\conninfo", "\\copy",   "\\d", "\\di", "\\dt",   "\\e",
    "\\echo", "\\g",   "\\gx",       "\\i",      "\\o", "\\p",  "\\pset", "\\q",
    "\\r",    "\\set", "\\t",        "\\timing", "\\x", "\\a",  "\\!"};

/* The lists that one completion looks through, one after the other. */
struct candidates {
    const char *const *v[3];
    size_t n[3];
    bool fold[3]; /* keywords follow the case of what was typed */
    size_t list, at;
};
static struct candidates candidates;

static void add_list(const char *const *v, size_t n, bool fold)
{
    size_t i = candidates.list++;
    candidates.v[i] = v;
    candidates.n[i] = n;
    candidates.fold[i] = fold;
}

static char *take_candidate(const char *text, const char *candidate, bool fold)
{
    size_t n = strlen(text);
    if (strncasecmp(candidate, text, n) != 0)
        return NULL;
    char *copy = mem_strdup(candidate);
    if (fold && n && islower((unsigned char)text[0]))
        for (char *p = copy; *p; p++)
            *p = (char)tolower((unsigned char)*p);
    return copy;
}

static char *next_candidate(const char *text, int state)
{
    if (state == 0)
        candidates.list = candidates.at = 0;
    for (; candidates.list < ARRAY_LEN(candidates.v); candidates.list++, candidates.at = 0)
        while (candidates.at < candidates.n[candidates.list]) {
            size_t i = candidates.list;
            char *found =
                take_candidate(text, candidates.v[i][candidates.at++], candidates.fold[i]);
            if (found)
                return found;
        }
    return NULL;
}

/* The word before the one that is completed, over line ends, in `word`; "" at a statement's start.
 */
static void word_before(const struct session *s, const char *line, size_t start, char *word,
                        size_t size)
{
    _cleanup_(buf_done) struct buf text = {0};
    buf_append(&text, s->query.data, s->query.len);
    buf_append(&text, line, start);
    size_t end = text.len;
    while (end && (isspace((unsigned char)text.data[end - 1]) || text.data[end - 1] == '('))
        end--;
    size_t first = end;
    while (first && !isspace((unsigned char)text.data[first - 1]) &&
           !strchr(";(),=<>", text.data[first - 1]))
        first--;
    snprintf(word, size, "%.*s", (int)(end - first), text.data ? text.data + first : "");
}

static bool is_one_of(const char *word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(word, list[i]) == 0)
            return true;
    return false;
}

static char **complete(const char *text, int start, int end)
{
    static const char *const before_table[] = {"from",     "join",       "into", "update", "table",
                                               "truncate", "references", "\\d",  "\\copy", "copy"};
    static const char *const before_file[] = {"\\i", "execfile", "\\o"};
    struct session *s = prompting;
    char word[64];
    word_before(s, rl_line_buffer, (size_t)start, word, sizeof(word));
    if (is_one_of(word, before_file, ARRAY_LEN(before_file)))
        return NULL; /* libedit's own: files */
    rl_attempted_completion_over = 1;
    refresh_names(s);
    candidates = (struct candidates){0};
    const char *const *tables = (const char *const *)s->tables.v;
    if (text[0] == '\\')
        add_list(backslashes, ARRAY_LEN(backslashes), false);
    else if (!*word)
        add_list(starts, ARRAY_LEN(starts), true);
    else {
        add_list(tables, s->tables.n, false);
        if (!is_one_of(word, before_table, ARRAY_LEN(before_table))) {
            add_list((const char *const *)s->columns.v, s->columns.n, false);
            add_list(keywords, ARRAY_LEN(keywords), true);
        }
    }
    return rl_completion_matches(text, next_candidate);
}

/* ---- the line ----------------------------------------------------------------------------------
 */

void minisql__prompt_init(struct session *s)
{
    prompting = s;
    rl_readline_name = "minisql";
    rl_attempted_completion_function = complete;
    rl_basic_word_break_characters = " \t\n\"'`@$><=;|&{(),";
    rl_completer_word_break_characters = mem_strdup(rl_basic_word_break_characters);
    using_history();
    stifle_history(HISTORY_LENGTH);
    _cleanup_(mem_freep) char *path = history_path();
    if (path)
        read_history(path);
    if (!s->quiet)
        printf("minisql " MINISQL_VERSION ", a shell for MiniSQL. \\? shows its commands, "
               "quit ends it.\n\n");
}

void minisql__prompt_done(struct session *s)
{
    _cleanup_(mem_freep) char *path = history_path();
    if (path && write_history(path) != 0)
        fprintf(stderr, "minisql: could not write the history to %s\n", path);
}

void minisql__prompt_completes(bool on)
{
    rl_inhibit_completion = !on;
}

char *minisql__prompt_line(struct session *s, const char *prompt)
{
    minisql__learn(s);
    fflush(s->out);
    if (sigsetjmp(minisql__prompt_jump, 1)) { /* Ctrl-C: the statement is dropped */
        minisql__prompt_reads = 0;
        putchar('\n');
        buf_clear(&s->query);
        minisql_split_reset(&s->splitter);
        return mem_strdup("");
    }
    minisql__prompt_reads = 1;
    char *line = readline(prompt);
    minisql__prompt_reads = 0;
    if (!line)
        putchar('\n'); /* Ctrl-D */
    return line;
}
