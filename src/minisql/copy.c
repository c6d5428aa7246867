/*
 * COPY's data, and \copy, which moves rows between a table and a file on this machine: the server
 * only ever sees COPY .. FROM STDIN or TO STDOUT.
 */
#include "minisql/minisql_int.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES 65536
#define PROGRESS_MS 100
#define BAR_WIDTH 30

/* ---- progress ----------------------------------------------------------------------------------
 */

struct progress {
    uint64_t total, done, start_ms, drawn_ms;
    bool shown;
};

static void draw_progress(struct progress *p)
{
    uint64_t now = clock_ms();
    if (!p->total || !isatty(STDERR_FILENO) || now - p->drawn_ms < PROGRESS_MS)
        return;
    p->drawn_ms = now;
    p->shown = true;
    char bar[BAR_WIDTH + 1];
    size_t filled = (size_t)(MIN(p->done, p->total) * BAR_WIDTH / p->total);
    memset(bar, '#', filled);
    memset(bar + filled, '.', BAR_WIDTH - filled);
    bar[BAR_WIDTH] = 0;
    double mb = (double)p->done / 1e6, seconds = (double)(now - p->start_ms) / 1000.0;
    fprintf(stderr, "\r[%s] %3u%%  %.1f of %.1f MB, %.1f MB/s ", bar,
            (unsigned)(MIN(p->done, p->total) * 100 / p->total), mb, (double)p->total / 1e6,
            seconds > 0 ? mb / seconds : 0.0);
}

static void clear_progress(const struct progress *p)
{
    if (p->shown)
        fprintf(stderr, "\r%*s\r", BAR_WIDTH + 50, "");
}

/* ---- data --------------------------------------------------------------------------------------
 */

/* An error of PQputCopyData itself: the connection broke. The caller's next PQgetResult says so. */
static bool put(struct session *s, const char *data, size_t len)
{
    return PQputCopyData(s->conn, data, (int)len) == 1;
}

static bool put_file(struct session *s, const char **ret_failure)
{
    struct progress p = {.total = s->copy_size, .start_ms = clock_ms()};
    p.drawn_ms = p.start_ms;
    char *chunk = mem_alloc(CHUNK_BYTES);
    bool sent = true;
    for (size_t n;
         sent && !minisql__interrupted && (n = fread(chunk, 1, CHUNK_BYTES, s->copy_file)) > 0;) {
        sent = put(s, chunk, n);
        p.done += n;
        draw_progress(&p);
    }
    clear_progress(&p);
    if (minisql__interrupted)
        *ret_failure = "canceled by user";
    else if (ferror(s->copy_file))
        *ret_failure = "could not read the file";
    mem_free(chunk);
    return sent;
}

/* Rows that follow in the script, or are typed, up to a line with only \. */
static bool put_lines(struct session *s)
{
    bool sent = true, typed = s->input && !s->input->file;
    minisql__prompt_completes(!typed); /* a tab is data here */
    if (typed)
        puts("Enter data to be copied followed by a newline.\n"
             "End with a backslash and a period on a line by itself, or an EOF signal.");
    for (char *line; (line = minisql__next_line(s, ">> ")) != NULL; mem_free(line)) {
        if (strcmp(line, "\\.") == 0) {
            mem_free(line);
            break;
        }
        sent = sent && put(s, line, strlen(line)) && put(s, "\n", 1);
    }
    minisql__prompt_completes(true);
    return sent;
}

enum outcome minisql__copy_in(struct session *s)
{
    const char *failure = NULL;
    static struct input standard_input;
    struct input *before = s->input;
    if (!s->input && !s->copy_file) { /* -c "COPY .. FROM STDIN" < file */
        standard_input = (struct input){.file = stdin};
        s->input = &standard_input;
    }
    bool sent = s->copy_file ? put_file(s, &failure) : put_lines(s);
    s->input = before;
    if (sent)
        PQputCopyEnd(s->conn, failure);
    return RUN_OK; /* the result that follows says whether it was */
}

enum outcome minisql__copy_out(struct session *s)
{
    FILE *to = s->copy_file ? s->copy_file : s->out;
    char *row;
    int n;
    bool written = true;
    s->copied_out = !s->copy_file;
    while ((n = PQgetCopyData(s->conn, &row, 0)) > 0) {
        written = written && fwrite(row, 1, (size_t)n, to) == (size_t)n;
        PQfreemem(row);
    }
    if (fflush(to) != 0 || !written) {
        char text[128];
        minisql__complain(s, "could not write what COPY gave: %s",
                          strerror_r(errno, text, sizeof(text)));
        return RUN_FAILED;
    }
    return n == -2 ? RUN_FAILED : RUN_OK;
}

/* ---- \copy -------------------------------------------------------------------------------------
 */

struct copy {
    bool from;
    char *what;   /* table, table (columns), (query) */
    char *target; /* file, program, or NULL for standard input and output */
    bool program;
    const char *options; /* in the command's text */
};

/* Finds FROM or TO outside of quotes and parentheses. */
static const char *find_direction(const char *text, bool *ret_from)
{
    int parens = 0;
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\'') {
            const char *end = strchr(p + 1, *p);
            if (!end)
                return NULL;
            p = end;
        }
        parens += *p == '(' ? 1 : *p == ')' ? -1 : 0;
        if (parens || p == text || !isspace((unsigned char)p[-1]))
            continue;
        *ret_from = strncasecmp(p, "from", 4) == 0;
        if ((*ret_from && isspace((unsigned char)p[4])) ||
            (strncasecmp(p, "to", 2) == 0 && isspace((unsigned char)p[2])))
            return p;
    }
    return NULL;
}

static bool parse_copy(const char *text, struct copy *c)
{
    const char *direction = find_direction(text, &c->from);
    if (!direction)
        return false;
    c->what = mem_strndup(text, (size_t)(direction - text));
    const char *rest = direction + (c->from ? 4 : 2);
    c->target = minisql__next_argument(&rest);
    if (c->target && strcasecmp(c->target, "program") == 0) {
        mem_free(c->target);
        c->target = minisql__next_argument(&rest);
        c->program = true;
    } else if (c->target &&
               (strcasecmp(c->target, "stdin") == 0 || strcasecmp(c->target, "stdout") == 0)) {
        mem_free(c->target);
        c->target = NULL;
        c->options = rest;
        return true;
    }
    c->options = rest;
    return c->target != NULL;
}

static bool open_target(struct session *s, const struct copy *c)
{
    struct stat st;
    if (!c->target)
        return true;
    fflush(s->out);
    s->copy_file =
        c->program ? popen(c->target, c->from ? "r" : "w") : fopen(c->target, c->from ? "r" : "w");
    if (s->copy_file && fstat(fileno(s->copy_file), &st) == 0 && S_ISDIR(st.st_mode)) {
        fclose(s->copy_file);
        s->copy_file = NULL;
        errno = EISDIR;
    }
    if (!s->copy_file) {
        char text[128];
        minisql__complain(s, "%s: %s", c->target, strerror_r(errno, text, sizeof(text)));
        return false;
    }
    s->copy_size = c->from && !c->program ? (uint64_t)st.st_size : 0;
    return true;
}

static enum outcome close_target(struct session *s, const struct copy *c, enum outcome outcome)
{
    if (s->copy_file) {
        int status = c->program ? pclose(s->copy_file) : fclose(s->copy_file);
        if (status != 0 && outcome == RUN_OK) {
            minisql__complain(s, "%s: %s", c->target,
                              c->program ? "the program failed" : "could not write the file");
            outcome = RUN_FAILED;
        }
    }
    s->copy_file = NULL;
    s->copy_size = 0;
    return outcome;
}

enum outcome minisql__copy_command(struct session *s, const char *arguments)
{
    struct copy c = {0};
    enum outcome outcome = RUN_FAILED;
    if (!parse_copy(arguments, &c)) {
        minisql__complain(s,
                          "\\copy: write \\copy TABLE [(COLUMN, ..)] FROM|TO 'FILE' [csv header]");
    } else if (open_target(s, &c)) {
        _cleanup_(mem_freep) char *sql =
            mem_printf("COPY %s %s %s", c.what, c.from ? "FROM STDIN" : "TO STDOUT", c.options);
        outcome = close_target(s, &c, minisql__run(s, sql));
    }
    mem_free(c.what);
    mem_free(c.target);
    return outcome;
}
