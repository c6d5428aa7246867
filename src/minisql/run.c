/*
 * One statement: sent, its results shown, its failure explained.
 *
 * When the connection breaks, three cases are told apart, and the user is told which one it was:
 *   1. it was gone before anything was sent: the statement runs on the new connection;
 *   2. the statement only reads: it runs again on the new connection;
 *   3. anything else: nobody knows whether it ran, so it does not run again by itself.
 * Inside a transaction nothing is repeated: the server has rolled the transaction back (after a
 * lost COMMIT it is case 3).
 */
#include "minisql/minisql_int.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

sigjmp_buf minisql__prompt_jump;
volatile sig_atomic_t minisql__prompt_reads, minisql__interrupted;
static PGcancel *volatile running; /* set while a statement runs; PQcancel() is signal-safe */

static void on_interrupt(int signal)
{
    minisql__interrupted = 1;
    if (minisql__prompt_reads)
        siglongjmp(minisql__prompt_jump, 1);
    char message[256];
    PGcancel *cancel = running;
    if (cancel && PQcancel(cancel, message, sizeof(message)))
        (void)!write(STDERR_FILENO, "Cancel request sent\n", 20);
}

void minisql__install_signals(void)
{
    struct sigaction a = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
    if (isatty(STDIN_FILENO))
        sigaction(SIGINT, &a, NULL);
}

void minisql__complain(struct session *s, const char *format, ...)
{
    fflush(s->out);
    if (s->input && s->input->name)
        fprintf(stderr, "minisql:%s:%zu: ", s->input->name, s->input->line);
    _cleanup_(buf_done) struct buf text = {0};
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&text, format, ap);
    va_end(ap);
    fputs(text.data, stderr);
    if (text.len == 0 || text.data[text.len - 1] != '\n')
        fputc('\n', stderr);
}

/* ---- showing a result --------------------------------------------------------------------------
 */

static const char *result_cell(const struct minisql_table *t, size_t row, size_t column)
{
    const PGresult *r = t->source;
    return PQgetisnull(r, (int)row, (int)column) ? NULL : PQgetvalue(r, (int)row, (int)column);
}

static enum minisql_kind kind_of(Oid type)
{
    static const Oid numbers[] = {20, 21, 23, 26, 700, 701, 1700};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (type == numbers[i])
            return MINISQL_NUMBER;
    return type == 16 ? MINISQL_BOOL : MINISQL_TEXT;
}

/* A pager for what does not fit on the screen; NULL when there is no need or no pager. */
static FILE *open_pager(const struct session *s, const struct minisql_table *t)
{
    struct winsize size;
    if (!s->interactive || s->out != stdout || !isatty(STDOUT_FILENO) ||
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
        return NULL;
    size_t lines = s->style.expanded ? t->rows * (t->columns + 1) : t->rows + 4;
    const char *pager = getenv("PAGER");
    if (!pager)
        pager = access("/usr/bin/less", X_OK) == 0 ? "less -SFRX" : "";
    if (lines < size.ws_row || !*pager)
        return NULL;
    fflush(stdout);
    return popen(pager, "w");
}

void minisql__draw(struct session *s, const struct minisql_table *t)
{
    FILE *pager = open_pager(s, t);
    if (!pager) {
        minisql_draw(t, &s->style, s->out);
        fflush(s->out);
        return;
    }
    void (*before)(int) = signal(SIGPIPE, SIG_IGN); /* the reader may quit early */
    minisql_draw(t, &s->style, pager);
    pclose(pager);
    signal(SIGPIPE, before);
}

void minisql__show(struct session *s, const PGresult *result, const char *title)
{
    size_t columns = (size_t)PQnfields(result);
    const char **names = mem_alloc(columns * sizeof(*names));
    enum minisql_kind *kinds = mem_alloc(columns * sizeof(*kinds));
    for (size_t i = 0; i < columns; i++) {
        names[i] = PQfname(result, (int)i);
        kinds[i] = kind_of(PQftype(result, (int)i));
    }
    struct minisql_table t = {.columns = columns,
                              .rows = (size_t)PQntuples(result),
                              .title = title,
                              .names = names,
                              .kinds = kinds,
                              .cell = result_cell,
                              .source = result};
    minisql__draw(s, &t);
    mem_free(names);
    mem_free(kinds);
}

/* ---- running -----------------------------------------------------------------------------------
 */

static void show_tag(struct session *s, const PGresult *r)
{
    if (!s->quiet && s->style.format != MINISQL_JSON)
        fprintf(s->out, "%s\n", PQcmdStatus((PGresult *)r));
}

static enum outcome show_result(struct session *s, PGresult *r)
{
    const char *tag = PQcmdStatus(r);
    switch (PQresultStatus(r)) {
    case PGRES_TUPLES_OK:
        minisql__show(s, r, NULL);
        if (strncmp(tag, "INSERT", 6) == 0 || strncmp(tag, "UPDATE", 6) == 0 ||
            strncmp(tag, "DELETE", 6) == 0)
            show_tag(s, r); /* .. RETURNING has both rows and a tag worth showing */
        return RUN_OK;
    case PGRES_COMMAND_OK:
        if (!s->copied_out) /* "COPY 5" would be one line too many among the rows */
            show_tag(s, r);
        return RUN_OK;
    case PGRES_EMPTY_QUERY:
        return RUN_OK;
    case PGRES_COPY_OUT:
        return minisql__copy_out(s);
    case PGRES_COPY_IN:
        return minisql__copy_in(s);
    default:
        minisql__complain(s, "%s", PQresultErrorMessage(r));
        return RUN_FAILED;
    }
}

static void note_schema_change(struct session *s, const char *tag)
{
    static const char *const words[] = {"CREATE", "DROP", "ALTER"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strncmp(tag, words[i], strlen(words[i])) == 0)
            s->names_stale = true;
}

/* Sends the statement and shows all that comes back; RUN_LOST when the connection broke. */
static enum outcome send_once(struct session *s, const char *sql)
{
    if (!PQsendQuery(s->conn, sql)) {
        if (PQstatus(s->conn) != CONNECTION_OK)
            return RUN_LOST;
        minisql__complain(s, "%s", PQerrorMessage(s->conn));
        return RUN_FAILED;
    }
    enum outcome outcome = RUN_OK;
    s->copied_out = false;
    running = PQgetCancel(s->conn);
    for (PGresult *r; (r = PQgetResult(s->conn)) != NULL; PQclear(r)) {
        if (PQstatus(s->conn) == CONNECTION_BAD) {
            outcome = RUN_LOST; /* explained by the caller */
            continue;
        }
        note_schema_change(s, PQcmdStatus(r));
        if (show_result(s, r) != RUN_OK)
            outcome = RUN_FAILED;
    }
    PGcancel *cancel = running;
    running = NULL;
    PQfreeCancel(cancel);
    fflush(s->out);
    return PQstatus(s->conn) == CONNECTION_BAD ? RUN_LOST : outcome;
}

static bool starts_with_word(const char *sql, const char *word)
{
    size_t n = strlen(word);
    return strncasecmp(sql, word, n) == 0 && !isalnum((unsigned char)sql[n]);
}

/* The connection broke while `sql` was under way, or (sent = false) before. */
static enum outcome recover(struct session *s, const char *sql, bool in_transaction, bool sent)
{
    if (minisql__reconnect(s) != RUN_OK)
        return RUN_LOST;
    bool commit = starts_with_word(sql, "commit") || starts_with_word(sql, "end");
    if (in_transaction && !(commit && sent)) {
        minisql__complain(s, "The transaction is gone: the server rolls back what it had done. "
                             "Start it again.");
        return RUN_FAILED;
    }
    if (!sent || minisql_reads_only(sql))
        return send_once(s, sql);
    minisql__complain(s, "It is not known whether the statement ran: look before you repeat it.");
    return RUN_FAILED;
}

enum outcome minisql__run(struct session *s, const char *sql)
{
    uint64_t start = clock_us();
    bool in_transaction = PQtransactionStatus(s->conn) == PQTRANS_INTRANS ||
                          PQtransactionStatus(s->conn) == PQTRANS_INERROR;
    bool sent = minisql__alive(s);
    minisql__interrupted = 0;
    enum outcome outcome = sent ? send_once(s, sql) : RUN_LOST;
    /* a connection may break again while the statement is repeated */
    for (int tries = 0; outcome == RUN_LOST && tries < 3; tries++, sent = true) {
        outcome = recover(s, sql, in_transaction, sent);
        if (PQstatus(s->conn) != CONNECTION_OK)
            break;
    }
    if (s->timing && outcome == RUN_OK)
        fprintf(s->out, "Time: %.3f ms\n", (double)(clock_us() - start) / 1000.0);
    fflush(s->out);
    return outcome;
}

PGresult *minisql__query(struct session *s, const char *sql, bool quiet)
{
    if (!minisql__alive(s) && (quiet || minisql__reconnect(s) != RUN_OK))
        return NULL;
    PGresult *r = PQexec(s->conn, sql);
    if (PQresultStatus(r) == PGRES_TUPLES_OK || PQresultStatus(r) == PGRES_COMMAND_OK)
        return r;
    if (!quiet)
        minisql__complain(s, "%s", PQerrorMessage(s->conn));
    PQclear(r);
    return NULL;
}
