/*
 * Text -> libpg_query's raw parse trees.
 *
 * The nodes live in a libpg_query memory context, which hangs off the thread: a script is parsed,
 * analysed and freed on one thread. Several contexts can be open at once (a DEFAULT is parsed
 * while an INSERT is analysed); only parsing allocates in them.
 *
 * MiniSQL's shorthand "a JOIN b" without ON is not in PostgreSQL's grammar. When a parse fails and
 * a JOIN stands before the place, " ON true " is put there and the text parsed again, as long as
 * the error moves forward; what is left is an error of the user's, reported at its place in the
 * text as it was written. from.c recognises these conditions by their place and regroups the joins.
 */
#include "sql_int.h"

#include <strings.h>

static const char ON_TRUE[] = " ON true ";
enum { ON_TRUE_LEN = sizeof(ON_TRUE) - 1, MAX_INSERTIONS = 64 };

/* ---- places --------------------------------------------------------------------------------- */

/* A byte offset in the parsed text as one in the caller's. */
static size_t original_offset(const struct sql_script *s, size_t offset)
{
    size_t shift = 0;
    for (int i = 0; i < s->n_insertions; i++) {
        if (s->insertions[i].at < offset)
            shift += MIN((size_t)ON_TRUE_LEN, offset - s->insertions[i].at);
    }
    return MIN(offset - shift, s->len);
}

static int chars_before(const char *text, size_t bytes)
{
    int n = 0;
    for (size_t i = 0; i < bytes; i++)
        n += ((unsigned char)text[i] & 0xC0) != 0x80;
    return n;
}

int sql__position(const struct sql_script *s, int location)
{
    if (location < 0)
        return 0;
    return chars_before(s->text, original_offset(s, (size_t)location)) + 1;
}

bool sql__is_insertion(const struct sql_script *s, int location)
{
    for (int i = 0; i < s->n_insertions; i++) {
        if (location >= 0 && (size_t)location >= s->insertions[i].at &&
            (size_t)location < s->insertions[i].at + ON_TRUE_LEN)
            return true;
    }
    return false;
}

/* ---- parsing ----------------------------------------------------------------------------------
 */

/* The byte where the `chars`-th character (from 0) starts. */
static size_t byte_of(const char *text, size_t len, int chars)
{
    size_t i = 0;
    for (; i < len; i++) {
        if (((unsigned char)text[i] & 0xC0) != 0x80 && chars-- == 0)
            break;
    }
    return i;
}

static bool has_join_before(const char *text, size_t end)
{
    for (size_t i = 0; i + 4 <= end; i++) {
        if ((text[i] | 0x20) == 'j' && strncasecmp(text + i, "join", 4) == 0)
            return true;
    }
    return false;
}

static struct error *new_error(const PgQueryError *e, const char *at)
{
    const char *state = E_SYNTAX;
    if (strstr(e->message, "memory exhausted") || strstr(e->message, "stack depth"))
        state = "54001";
    else if (strncmp(e->message, "frame start", 11) == 0 ||
             strncmp(e->message, "frame end", 9) == 0)
        state = "42P20";
    else if (strstr(e->message, "invalid byte sequence"))
        state = "22021";
    else if (strcmp(e->message, "invalid Unicode escape") == 0)
        state = *at == '\\' && (at[1] | 0x20) == 'u' ? "22025" : E_SYNTAX; /* E'..', and U&'..' */
    else if (strncmp(e->message, "unsafe use of", 13) == 0)
        state = "22P06";
    else if (strncmp(e->message, "column number must be", 21) == 0)
        state = "22023";
    else if (strstr(e->message, "cannot include schema elements") ||
             strstr(e->message, "is only supported for ON DELETE") ||
             strstr(e->message, "constraints cannot be marked") ||
             strstr(e->message, "current database cannot be changed"))
        state = E_UNSUPPORTED;
    else if (strstr(e->message, "not yet supported") || strstr(e->message, "not supported") ||
             strstr(e->message, "not implemented"))
        state = E_UNSUPPORTED;
    struct error *err = error_new(state, "%s", e->message);
    if (strstr(e->message, "must have an alias")) /* libpg_query drops the parser's hints */
        error_hint(err, "For example, FROM (SELECT ...) [AS] foo.");
    return err;
}

/* Puts ON true at byte `at` of the parsed text. */
static void insert_on(struct sql_script *s, struct arena *arena, size_t at)
{
    size_t len = strlen(s->parsed);
    char *next = arena_alloc(arena, len + ON_TRUE_LEN + 1);
    memcpy(next, s->parsed, at);
    memcpy(next + at, ON_TRUE, ON_TRUE_LEN);
    memcpy(next + at + ON_TRUE_LEN, s->parsed + at, len - at);
    if (!s->insertions)
        s->insertions = ARENA_ARRAY(arena, struct sql_insertion, MAX_INSERTIONS);
    s->insertions[s->n_insertions++].at = at;
    s->parsed = next;
}

/* PostgreSQL quotes all of a number that letters follow, libpg_query's scanner the first of them.
 */
static struct error *whole_number(struct error *e, const char *at)
{
    static const char start[] = "trailing junk after numeric literal at or near \"";
    if (strncmp(e->message, start, sizeof(start) - 1) != 0)
        return e;
    size_t n = strlen(e->message) - (sizeof(start) - 1) - 1;
    while (isalnum((unsigned char)at[n]) || at[n] == '_' || at[n] == '$' ||
           (unsigned char)at[n] >= 0x80)
        n++;
    error_free(e);
    return error_new(E_SYNTAX, "%s%.*s\"", start, (int)n, at);
}

static struct error *parse_once(const struct sql_script *s, List **ret_tree, size_t *ret_at)
{
    PgQueryInternalParsetreeAndError r = pg_query_raw_parse(s->parsed);
    free(r.stderr_buffer);
    if (!r.error) {
        *ret_tree = r.tree;
        return NULL;
    }
    int cursor = r.error->cursorpos;
    *ret_at = cursor > 0 ? byte_of(s->parsed, strlen(s->parsed), cursor - 1) : 0;
    struct error *e = whole_number(new_error(r.error, s->parsed + *ret_at), s->parsed + *ret_at);
    if (cursor > 0)
        error_at(e, sql__position(s, (int)*ret_at));
    pg_query_free_error(r.error);
    return e;
}

/* Parses s->parsed, repairing joins. On success *ret_tree lies in the script's memory context. */
static struct error *parse_repaired(struct sql_script *s, struct arena *arena, List **ret_tree)
{
    size_t at, last = 0;
    struct error *before = NULL; /* what the last insertion was meant to cure */
    for (;;) {
        struct error *e = parse_once(s, ret_tree, &at);
        if (e && before && at < last) {
            error_free(e); /* it complains about what we put there */
            return before;
        }
        error_free(before);
        if (!e || s->n_insertions == MAX_INSERTIONS ||
            strncmp(e->message, "syntax error", 12) != 0 || !has_join_before(s->parsed, at))
            return e;
        before = e;
        insert_on(s, arena, at);
        last = at + ON_TRUE_LEN;
    }
}

static void list_statements(struct sql_script *s, struct arena *arena, List *tree)
{
    s->n_stmts = list_length(tree);
    s->stmts = ARENA_ARRAY(arena, struct sql_stmt, s->n_stmts);
    size_t parsed_len = strlen(s->parsed);
    for (int i = 0; i < s->n_stmts; i++) {
        const RawStmt *raw = list_nth(tree, i);
        size_t start = (size_t)MAX(raw->stmt_location, 0);
        size_t end = raw->stmt_len > 0 ? start + (size_t)raw->stmt_len : parsed_len;
        start = original_offset(s, start);
        end = original_offset(s, end);
        while (start < end && strchr(" \t\r\n\f", s->text[start]))
            start++;
        while (end > start && strchr(" \t\r\n\f", s->text[end - 1]))
            end--;
        s->stmts[i] =
            (struct sql_stmt){.node = raw->stmt, .script = s, .offset = start, .len = end - start};
    }
}

struct error *sql_parse(const char *text, struct arena *arena, struct sql_script *ret)
{
    struct sql_script *s = ret;
    *s = (struct sql_script){.text = text, .len = strlen(text), .parsed = text};
    if (s->len > SQL_MAX_TEXT) {
        return error_hint(error_new("54000", "statement is too long (%zu bytes)", s->len),
                          "Split it, or use COPY; the limit is %d bytes.", SQL_MAX_TEXT);
    }
    s->memory = pg_query_enter_memory_context();
    List *tree = NIL;
    struct error *e = parse_repaired(s, arena, &tree);
    if (e) {
        sql_script_done(s);
        return e;
    }
    list_statements(s, arena, tree);
    return NULL;
}

bool sql_is_utility(const struct sql_stmt *stmt)
{
    switch (nodeTag(stmt->node)) {
    case T_SelectStmt:
    case T_InsertStmt:
    case T_UpdateStmt:
    case T_DeleteStmt:
    case T_MergeStmt:
    case T_ExplainStmt:
    case T_DeclareCursorStmt:
    case T_CreateTableAsStmt:
    case T_ExecuteStmt:
    case T_FetchStmt:
    case T_CallStmt:
    case T_VariableShowStmt:
        return false;
    default:
        return true;
    }
}

void sql_script_done(struct sql_script *s)
{
    if (s->memory)
        pg_query_exit_memory_context(s->memory);
    s->memory = NULL;
    for (int i = 0; i < s->n_stmts; i++)
        s->stmts[i].node = NULL;
}
