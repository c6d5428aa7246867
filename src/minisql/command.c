/*
 * The shell's own commands: those with a backslash (a table; add one line and one function for a
 * new one), and the bare words that the interpreters MiniSQL descends from had: quit, execfile,
 * clear.
 */
#include "minisql/minisql_int.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

char *minisql__next_argument(const char **line)
{
    const char *p = *line + strspn(*line, " \t");
    if (!*p)
        return NULL;
    struct buf word = {0};
    buf_reserve(&word, 1);
    word.data[0] = 0;
    for (char quote = 0; *p && (quote || !isspace((unsigned char)*p)); p++) {
        if (quote && *p == quote && p[1] == quote)
            buf_put8(&word, (uint8_t)*p++); /* '' inside '..' */
        else if (*p == quote)
            quote = 0;
        else if (!quote && *p == '\'')
            quote = '\'';
        else
            buf_put8(&word, (uint8_t)*p);
    }
    *line = p;
    return word.data;
}

/* The single argument of most commands, a trailing semicolon dropped; NULL when there is none. */
static char *only_argument(const char *line)
{
    char *argument = minisql__next_argument(&line);
    size_t n = argument ? strlen(argument) : 0;
    if (n && argument[n - 1] == ';')
        argument[n - 1] = 0;
    if (argument && !*argument) {
        mem_free(argument);
        return NULL;
    }
    return argument;
}

/* on, off, or nothing: the other way round */
static enum outcome toggle(struct session *s, const char *line, const char *what, bool *setting)
{
    _cleanup_(mem_freep) char *argument = only_argument(line);
    if (!argument)
        *setting = !*setting;
    else if (strcasecmp(argument, "on") == 0 || strcmp(argument, "1") == 0)
        *setting = true;
    else if (strcasecmp(argument, "off") == 0 || strcmp(argument, "0") == 0)
        *setting = false;
    else {
        minisql__complain(s, "\"%s\" is neither on nor off", argument);
        return RUN_FAILED;
    }
    if (!s->quiet)
        fprintf(s->out, "%s is %s.\n", what, *setting ? "on" : "off");
    return RUN_OK;
}

static enum outcome do_quit(struct session *s, const char *line)
{
    return RUN_QUIT;
}

static enum outcome do_timing(struct session *s, const char *line)
{
    return toggle(s, line, "Timing", &s->timing);
}

static enum outcome do_expanded(struct session *s, const char *line)
{
    return toggle(s, line, "Expanded display", &s->style.expanded);
}

static enum outcome do_tuples(struct session *s, const char *line)
{
    return toggle(s, line, "Tuples only", &s->style.tuples_only);
}

static enum outcome do_align(struct session *s, const char *line)
{
    bool aligned = s->style.format == MINISQL_ALIGNED;
    s->style.format = aligned ? MINISQL_UNALIGNED : MINISQL_ALIGNED;
    if (!s->quiet)
        fprintf(s->out, "Output format is %s.\n", aligned ? "unaligned" : "aligned");
    return RUN_OK;
}

static enum outcome set_format(struct session *s, const char *name)
{
    static const char *const names[] = {"aligned", "unaligned", "csv", "json"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(name, names[i]) == 0) {
            s->style.format = (enum minisql_format)i;
            return RUN_OK;
        }
    minisql__complain(s, "\\pset: formats are aligned, unaligned, csv, json");
    return RUN_FAILED;
}

static enum outcome do_pset(struct session *s, const char *line)
{
    _cleanup_(mem_freep) char *name = minisql__next_argument(&line);
    if (name && strcmp(name, "expanded") == 0)
        return do_expanded(s, line);
    if (name && strcmp(name, "tuples_only") == 0)
        return do_tuples(s, line);
    char *value = minisql__next_argument(&line);
    enum outcome outcome = RUN_OK;
    if (name && value && strcmp(name, "null") == 0) {
        mem_free(s->null_text);
        s->style.null_text = s->null_text = value;
        value = NULL;
    } else if (name && value && strcmp(name, "fieldsep") == 0) {
        mem_free(s->separator);
        s->style.separator = s->separator = value;
        value = NULL;
    } else if (name && value && strcmp(name, "format") == 0) {
        outcome = set_format(s, value);
    } else {
        minisql__complain(s, "\\pset: settings are format, null, fieldsep, expanded, tuples_only");
        outcome = RUN_FAILED;
    }
    mem_free(value);
    return outcome;
}

static enum outcome do_set(struct session *s, const char *line)
{
    _cleanup_(mem_freep) char *name = minisql__next_argument(&line);
    if (!name || strcasecmp(name, "ON_ERROR_STOP") == 0) {
        if (!name)
            fprintf(s->out, "ON_ERROR_STOP = '%s'\n", s->on_error_stop ? "on" : "off");
        else {
            _cleanup_(mem_freep) char *value = only_argument(line);
            s->on_error_stop = !value || (strcmp(value, "0") != 0 && strcasecmp(value, "off") != 0);
        }
        return RUN_OK;
    }
    minisql__complain(s, "\\set: there is one setting, ON_ERROR_STOP");
    return RUN_FAILED;
}

static enum outcome do_describe(struct session *s, const char *line)
{
    _cleanup_(mem_freep) char *table = only_argument(line);
    return table ? minisql__describe(s, table) : minisql__list_tables(s);
}

static enum outcome do_tables(struct session *s, const char *line)
{
    return minisql__list_tables(s);
}

static enum outcome do_indexes(struct session *s, const char *line)
{
    return minisql__list_indexes(s);
}

static enum outcome do_include(struct session *s, const char *line)
{
    _cleanup_(mem_freep) char *path = only_argument(line);
    if (path)
        return minisql__include(s, path);
    minisql__complain(s, "\\i: which file? \\i FILE");
    return RUN_FAILED;
}

static enum outcome do_output(struct session *s, const char *line)
{
    _cleanup_(mem_freep) char *path = only_argument(line);
    FILE *file = path ? fopen(path, "w") : stdout;
    if (!file) {
        char text[128];
        minisql__complain(s, "%s: %s", path, strerror_r(errno, text, sizeof(text)));
        return RUN_FAILED;
    }
    if (s->out != stdout)
        fclose(s->out);
    s->out = file;
    return RUN_OK;
}

/* ---- the query buffer --------------------------------------------------------------------------
 */

static enum outcome do_go(struct session *s, const char *line)
{
    if (!s->splitter.some && s->last)
        buf_puts(&s->query, s->last);
    else if (!s->splitter.some)
        return RUN_OK;
    return minisql__run_buffer(s);
}

static enum outcome do_go_expanded(struct session *s, const char *line)
{
    bool before = s->style.expanded;
    s->style.expanded = true;
    enum outcome outcome = do_go(s, line);
    s->style.expanded = before;
    return outcome;
}

static enum outcome do_print(struct session *s, const char *line)
{
    const char *text = s->splitter.some ? s->query.data : s->last ? s->last : "";
    fprintf(s->out, "%s\n", text);
    return RUN_OK;
}

static enum outcome do_reset(struct session *s, const char *line)
{
    buf_clear(&s->query);
    minisql_split_reset(&s->splitter);
    if (!s->quiet)
        fprintf(s->out, "Query buffer reset (cleared).\n");
    return RUN_OK;
}

/* Puts the file's text into the query buffer; the loop then runs the statements that are complete.
 */
static bool load_buffer(struct session *s, const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    buf_clear(&s->query);
    minisql_split_reset(&s->splitter);
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof(chunk), file)) > 0;)
        buf_append(&s->query, chunk, n);
    fclose(file);
    return true;
}

static enum outcome do_edit(struct session *s, const char *line)
{
    char path[] = "/tmp/minisql.XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file) {
        minisql__complain(s, "\\e: could not make a file in /tmp");
        return RUN_FAILED;
    }
    fprintf(file, "%s\n", s->splitter.some ? s->query.data : s->last ? s->last : "");
    fclose(file);
    const char *editor = getenv("VISUAL") ? getenv("VISUAL") : getenv("EDITOR");
    _cleanup_(mem_freep) char *command = mem_printf("%s %s", editor ? editor : "editor", path);
    bool ok = system(command) == 0 && load_buffer(s, path);
    unlink(path);
    if (!ok)
        minisql__complain(s, "\\e: the editor failed; the statement is as it was. "
                             "Set EDITOR to the one you like.");
    return ok ? RUN_OK : RUN_FAILED;
}

/* ---- connection and the rest -------------------------------------------------------------------
 */

static enum outcome do_connect(struct session *s, const char *line)
{
    _cleanup_(mem_freep) char *address = only_argument(line);
    if (address) {
        size_t before = s->n_servers;
        struct error *e = minisql__add_servers(s, address, s->options.port);
        if (e) {
            minisql__complain(s, "%s", e->message);
            error_free(e);
            return RUN_FAILED;
        }
        if (s->n_servers > before)
            s->current = before;
    }
    enum outcome outcome = minisql__connect(s);
    if (outcome == RUN_OK) {
        _cleanup_(mem_freep) char *where = minisql__where(s);
        fprintf(s->out, "You are now connected to %s.\n", where);
    }
    return outcome;
}

static enum outcome do_conninfo(struct session *s, const char *line)
{
    _cleanup_(mem_freep) char *where = minisql__where(s);
    fprintf(s->out, "You are connected to database \"%s\" as user \"%s\" at %s.\n", PQdb(s->conn),
            PQuser(s->conn), where);
    return RUN_OK;
}

static enum outcome do_echo(struct session *s, const char *line)
{
    const char *between = "";
    for (char *word; (word = minisql__next_argument(&line)) != NULL; mem_free(word)) {
        fprintf(s->out, "%s%s", between, word);
        between = " ";
    }
    fputc('\n', s->out);
    return RUN_OK;
}

static enum outcome do_shell(struct session *s, const char *line)
{
    fflush(s->out);
    const char *shell = getenv("SHELL");
    return system(*line ? line : shell ? shell : "/bin/sh") == 0 ? RUN_OK : RUN_FAILED;
}

static enum outcome do_help(struct session *s, const char *line);

static const struct command {
    const char *name;
    enum outcome (*run)(struct session *s, const char *line);
    const char *usage, *help; /* usage NULL: another spelling, not listed */
} commands[] = {
    {"?", do_help, "\\?", "this list"},
    {"h", do_help, NULL, NULL},
    {"q", do_quit, "\\q, quit, exit", "end the shell"},
    {"d", do_describe, "\\d [TABLE]", "the tables, or one table's columns, indexes and copies"},
    {"dt", do_tables, "\\dt", "the tables"},
    {"di", do_indexes, "\\di", "the indexes"},
    {"i", do_include, "\\i FILE, execfile FILE", "run the statements of a file"},
    {"copy", minisql__copy_command, "\\copy TABLE FROM|TO 'FILE' ..",
     "move rows between a table and a file here"},
    {"timing", do_timing, "\\timing [on|off]", "show how long each statement takes"},
    {"x", do_expanded, "\\x [on|off]", "a line for each column"},
    {"t", do_tuples, "\\t [on|off]", "rows only"},
    {"a", do_align, "\\a", "aligned or unaligned"},
    {"pset", do_pset, "\\pset NAME VALUE", "format, null, fieldsep, expanded, tuples_only"},
    {"set", do_set, "\\set ON_ERROR_STOP on", "end a script at its first error"},
    {"o", do_output, "\\o [FILE]", "write results to a file"},
    {"g", do_go, "\\g, \\gx", "run the statement so far, or the last one again"},
    {"gx", do_go_expanded, NULL, NULL},
    {"e", do_edit, "\\e", "edit the statement with $EDITOR"},
    {"p", do_print, "\\p", "show the statement so far"},
    {"r", do_reset, "\\r", "forget the statement so far"},
    {"c", do_connect, "\\c [HOST:PORT]", "connect again, or to another server"},
    {"conninfo", do_conninfo, "\\conninfo", "which server this is"},
    {"echo", do_echo, "\\echo TEXT", "print a text"},
    {"!", do_shell, "\\! [COMMAND]", "run a command of the system"},
};

static enum outcome do_help(struct session *s, const char *line)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (commands[i].usage)
            fprintf(s->out, "  %-30s  %s\n", commands[i].usage, commands[i].help);
    fprintf(s->out, "  %-30s  %s\n", "clear", "drop every table, after a question");
    fprintf(s->out, "  %-30s  %s\n", "status, servers, tables,", "the cluster");
    fprintf(s->out, "  %-30s\n", "regions");
    fprintf(s->out, "Statements end with a semicolon.\n");
    return RUN_OK;
}

enum outcome minisql__backslash(struct session *s, const char *line)
{
    size_t n = line[0] == '!' || line[0] == '?' ? 1 : strcspn(line, " \t\r\n;'");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strlen(commands[i].name) == n && strncmp(commands[i].name, line, n) == 0) {
            const char *rest = line + n + strspn(line + n, " \t");
            return commands[i].run(s, rest);
        }
    minisql__complain(s, "invalid command \\%.*s\nTry \\? for help.", (int)n, line);
    return RUN_FAILED;
}

/* ---- bare words --------------------------------------------------------------------------------
 */

static enum outcome execute_file(struct session *s, const char *line)
{
    _cleanup_(mem_freep) char *path = only_argument(line);
    size_t n = path ? strlen(path) : 0;
    if (n > 1 && path[0] == '"' && path[n - 1] == '"') { /* execfile "name" was the old spelling */
        path[n - 1] = 0;
        return minisql__include(s, path + 1);
    }
    return do_include(s, path ? path : "");
}

/* Three words; anything else is a statement that goes wrong by itself. */
static enum outcome move_table(struct session *s, const char *line, bool *ret_done)
{
    _cleanup_(mem_freep) char *table = minisql__next_argument(&line);
    _cleanup_(mem_freep) char *from = minisql__next_argument(&line);
    _cleanup_(mem_freep) char *to = minisql__next_argument(&line);
    _cleanup_(mem_freep) char *more = minisql__next_argument(&line);
    *ret_done = to && !more;
    return *ret_done ? minisql__move(s, table, from, to) : RUN_OK;
}

/* One word, likewise. */
static enum outcome drain_server(struct session *s, const char *line, bool undo, bool *ret_done)
{
    _cleanup_(mem_freep) char *server = minisql__next_argument(&line);
    _cleanup_(mem_freep) char *more = minisql__next_argument(&line);
    *ret_done = server && !more;
    return *ret_done ? minisql__drain(s, server, undo) : RUN_OK;
}

enum outcome minisql__word_command(struct session *s, const char *line, bool *ret_done)
{
    line += strspn(line, " \t");
    size_t n = strlen(line);
    while (n && (isspace((unsigned char)line[n - 1]) || line[n - 1] == ';'))
        n--;
    _cleanup_(mem_freep) char *text = mem_strndup(line, n);
    *ret_done = true;
    if (strcasecmp(text, "quit") == 0 || strcasecmp(text, "exit") == 0)
        return RUN_QUIT;
    if (strcasecmp(text, "help") == 0)
        return do_help(s, "");
    if (strncasecmp(text, "execfile ", 9) == 0)
        return execute_file(s, text + 9);
    if (strcmp(text, "clear --yes") == 0)
        return minisql__operate(s, "clear", true, ret_done);
    if (strncasecmp(text, "move ", 5) == 0)
        return move_table(s, text + 5, ret_done);
    if (strncasecmp(text, "drain ", 6) == 0)
        return drain_server(s, text + 6, false, ret_done);
    if (strncasecmp(text, "undrain ", 8) == 0)
        return drain_server(s, text + 8, true, ret_done);
    return minisql__operate(s, text, false, ret_done);
}
