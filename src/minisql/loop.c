/*
 * From lines to statements. Lines come from the prompt, standard input or files, and gather in
 * s->query until the splitter finds a statement's end or a backslash command. An included file has
 * a query buffer of its own, so that what was half typed before \i is still there after it.
 */
#include "minisql/minisql_int.h"

#include <ctype.h>
#include <errno.h>

char *minisql__next_line(struct session *s, const char *prompt)
{
    struct input *in = s->input;
    if (!in || !in->file)
        return minisql__prompt_line(s, prompt);
    char *line = NULL;
    size_t cap = 0;
    ssize_t n = getline(&line, &cap, in->file);
    if (n < 0) {
        free(line);
        return NULL;
    }
    if (n > 0 && line[n - 1] == '\n')
        line[--n] = 0;
    if (in->line++ == 0 && strncmp(line, "\xef\xbb\xbf", 3) == 0)
        memmove(line, line + 3, (size_t)n - 2); /* a byte order mark, from some editors */
    return line;
}

/* "minisql=*> ": the database, what is open, the transaction */
static void make_prompt(const struct session *s, char *text, size_t size)
{
    PGTransactionStatusType t = PQtransactionStatus(s->conn);
    const char *mark = t == PQTRANS_INTRANS || t == PQTRANS_ACTIVE ? "*"
                       : t == PQTRANS_INERROR                      ? "!"
                                                                   : "";
    snprintf(text, size, "%s%c%s> ", s->options.database, minisql_split_prompt(&s->splitter), mark);
}

enum outcome minisql__run_buffer(struct session *s)
{
    const char *text = s->query.data ? s->query.data : "";
    text += strspn(text, " \t\r\n");
    char *sql = mem_strdup(text);
    buf_clear(&s->query);
    minisql_split_reset(&s->splitter);
    for (size_t n = strlen(sql); n && isspace((unsigned char)sql[n - 1]); n--)
        sql[n - 1] = 0;
    if (s->input && !s->input->file)
        minisql__remember(sql);
    enum outcome outcome = minisql__run(s, sql);
    mem_free(s->last);
    s->last = sql;
    return outcome;
}

/* Runs the statement that ends at `end`, and leaves what follows it in the buffer. */
static enum outcome take_statement(struct session *s, size_t end)
{
    bool some = s->splitter.some;
    char *rest = mem_strdup(s->query.data + end);
    s->query.len = end;
    s->query.data[end] = 0;
    enum outcome outcome = RUN_OK;
    if (some)
        outcome = minisql__run_buffer(s);
    buf_clear(&s->query);
    minisql_split_reset(&s->splitter);
    buf_puts(&s->query, rest);
    mem_free(rest);
    return outcome;
}

static enum outcome take_backslash(struct session *s, size_t at)
{
    char *command = mem_strdup(s->query.data + at + 1);
    char *end = strchr(command, '\n');
    if (end)
        *end = 0;
    s->query.len = at;
    s->query.data[at] = 0;
    if (s->input && !s->input->file && !s->splitter.some) {
        char *line = mem_printf("\\%s", command);
        minisql__remember(line);
        mem_free(line);
    }
    enum outcome outcome = minisql__backslash(s, command);
    mem_free(command);
    return outcome;
}

/* A failure ends a script when it was asked to; the prompt goes on after everything but quit. */
static bool goes_on(const struct session *s, enum outcome outcome)
{
    bool script = s->input && s->input->file;
    return outcome == RUN_OK || (outcome == RUN_FAILED && !(script && s->on_error_stop)) ||
           (outcome == RUN_LOST && !script);
}

static enum outcome run_complete(struct session *s)
{
    for (;;) {
        size_t end = 0;
        enum outcome outcome = RUN_OK;
        switch (minisql_split(&s->splitter, s->query.data, s->query.len, &end)) {
        case MINISQL_SPLIT_MORE:
            if (!s->splitter.some && !s->splitter.inside) {
                buf_clear(&s->query); /* blanks and comments between statements */
                minisql_split_reset(&s->splitter);
            }
            return RUN_OK;
        case MINISQL_SPLIT_STATEMENT:
            outcome = take_statement(s, end);
            break;
        case MINISQL_SPLIT_BACKSLASH:
            outcome = take_backslash(s, end);
            break;
        }
        if (!goes_on(s, outcome))
            return outcome;
    }
}

static enum outcome take_line(struct session *s, const char *line)
{
    if (s->query.len == 0) {
        bool done = false;
        enum outcome outcome = minisql__word_command(s, line, &done);
        if (done) {
            if (!s->input->file)
                minisql__remember(line);
            return outcome;
        }
    }
    buf_puts(&s->query, line);
    buf_puts(&s->query, "\n");
    return run_complete(s);
}

static enum outcome read_lines(struct session *s)
{
    enum outcome outcome = RUN_OK;
    while (goes_on(s, outcome)) {
        char prompt[128];
        make_prompt(s, prompt, sizeof(prompt));
        char *line = minisql__next_line(s, prompt);
        if (!line)
            break;
        outcome = take_line(s, line);
        mem_free(line);
    }
    /* a script's last statement may lack its semicolon */
    if (goes_on(s, outcome) && s->input->file && s->splitter.some)
        outcome = minisql__run_buffer(s);
    return outcome;
}

enum outcome minisql__read_input(struct session *s, FILE *file, const char *name)
{
    struct input in = {.file = file, .name = name, .outer = s->input};
    struct buf query = s->query;
    struct minisql_splitter splitter = s->splitter;
    s->query = (struct buf){0};
    s->splitter = (struct minisql_splitter){0};
    s->input = &in;
    if (!file)
        minisql__prompt_init(s);
    enum outcome outcome = read_lines(s);
    if (!file)
        minisql__prompt_done(s);
    buf_done(&s->query);
    minisql_split_reset(&s->splitter);
    s->query = query;
    s->splitter = splitter;
    s->input = in.outer;
    /* \q in a file ends that file; a failed statement was reported and fails nothing by itself */
    if (outcome == RUN_QUIT || (outcome == RUN_FAILED && !s->on_error_stop))
        return RUN_OK;
    return outcome;
}

enum outcome minisql__include(struct session *s, const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "r");
    if (!file) {
        char text[128];
        minisql__complain(s, "%s: %s", path, strerror_r(errno, text, sizeof(text)));
        return RUN_FAILED;
    }
    for (const struct input *in = s->input; in; in = in->outer)
        if (in->name && strcmp(in->name, path) == 0) {
            minisql__complain(s, "%s: the file includes itself", path);
            fclose(file);
            return RUN_FAILED;
        }
    enum outcome outcome = minisql__read_input(s, file, is_stdin ? NULL : path);
    if (!is_stdin)
        fclose(file);
    return outcome;
}
