/*
 * Finds where a statement ends, as PostgreSQL's lexer would see it: not inside '..', E'..', "..",
 * $tag$..$tag$, comments of either kind (the long ones nest) or parentheses.
 *
 *   statement --'--> quote --'--> statement        (a doubled quote leaves and enters again)
 *   statement --$tag$--> dollar --$tag$--> statement
 *   statement --/_*--> comment (depth 1) --*_/--> statement
 *
 * One scan function per state; each consumes at least one byte or says that it needs more text.
 */
#include "minisql/minisql.h"

#include <ctype.h>
#include <strings.h>

void minisql_split_reset(struct minisql_splitter *s)
{
    mem_free(s->tag);
    *s = (struct minisql_splitter){0};
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* '..' and "..": a doubled quote is one end and one start, which needs no state of its own. */
static void scan_quote(struct minisql_splitter *s, const char *text, size_t len)
{
    char end = s->inside == 'E' ? '\'' : s->inside;
    while (s->pos < len) {
        char c = text[s->pos++];
        if (c == '\\' && s->inside == 'E' && s->pos < len)
            s->pos++;
        else if (c == end) {
            /* E'it''s \' ': the second quote continues an escape string, not a plain one */
            if (s->inside == 'E' && s->pos < len && text[s->pos] == '\'')
                s->pos++;
            else {
                s->inside = 0;
                return;
            }
        }
    }
}

static void scan_comment(struct minisql_splitter *s, const char *text, size_t len)
{
    while (s->pos < len) {
        bool two = s->pos + 1 < len;
        if (two && text[s->pos] == '*' && text[s->pos + 1] == '/') {
            s->pos += 2;
            if (--s->comments == 0) {
                s->inside = 0;
                return;
            }
        } else if (two && text[s->pos] == '/' && text[s->pos + 1] == '*') {
            s->pos += 2;
            s->comments++;
        } else {
            s->pos++;
        }
    }
}

static void scan_dollar(struct minisql_splitter *s, const char *text, size_t len)
{
    size_t n = strlen(s->tag);
    const char *end = memmem(text + s->pos, len - s->pos, s->tag, n);
    if (!end) {
        /* the tag may still come in two pieces; never look back before its start, though */
        s->pos = len - s->pos >= n ? len - n + 1 : s->pos;
        return;
    }
    s->pos = (size_t)(end - text) + n;
    mem_free(s->tag);
    s->tag = NULL;
    s->inside = 0;
}

/* $$ or $tag$ at `at`: its length, or 0. */
static size_t dollar_tag(const char *text, size_t at, size_t len)
{
    size_t i = at + 1;
    if (i < len && isdigit((unsigned char)text[i]))
        return 0; /* $1 */
    while (i < len && is_word(text[i]))
        i++;
    return i < len && text[i] == '$' ? i + 1 - at : 0;
}

/* A word, a number, or what follows one: so that x$1 and e in `the'` are not taken for starts. */
static void scan_word(struct minisql_splitter *s, const char *text, size_t len)
{
    size_t start = s->pos;
    while (s->pos < len && (is_word(text[s->pos]) || text[s->pos] == '$'))
        s->pos++;
    if (s->pos - start == 1 && (text[start] == 'e' || text[start] == 'E') && s->pos < len &&
        text[s->pos] == '\'') {
        s->inside = 'E';
        s->pos++;
    }
}

/* Enters a quote or comment that starts here; false when none does. */
static bool open_quote(struct minisql_splitter *s, const char *text, size_t len)
{
    char c = text[s->pos], next = s->pos + 1 < len ? text[s->pos + 1] : 0;
    if (c == '-' && next == '-') {
        const char *end = memchr(text + s->pos, '\n', len - s->pos);
        s->pos = end ? (size_t)(end - text) : len;
        return true;
    }
    if (c == '/' && next == '*') {
        s->inside = '*';
        s->comments = 1;
        s->pos += 2;
        return true;
    }
    size_t n = c == '$' ? dollar_tag(text, s->pos, len) : 0;
    if (n) {
        s->some = true;
        s->inside = '$';
        s->tag = mem_strndup(text + s->pos, n);
        s->pos += n;
        return true;
    }
    if (c == '\'' || c == '"') {
        s->some = true;
        s->inside = c;
        s->pos++;
        return true;
    }
    return false;
}

enum minisql_split minisql_split(struct minisql_splitter *s, const char *text, size_t len,
                                 size_t *ret_end)
{
    while (s->pos < len) {
        if (s->inside == '*')
            scan_comment(s, text, len);
        else if (s->inside == '$') {
            scan_dollar(s, text, len);
            if (s->inside)
                return MINISQL_SPLIT_MORE;
        } else if (s->inside)
            scan_quote(s, text, len);
        else if (!open_quote(s, text, len)) {
            char c = text[s->pos];
            if (c == '\\') {
                *ret_end = s->pos;
                return MINISQL_SPLIT_BACKSLASH;
            }
            if (!isspace((unsigned char)c) && c != ';')
                s->some = true;
            if (is_word(c)) {
                scan_word(s, text, len);
                continue;
            }
            s->pos++;
            if (c == '(')
                s->parens++;
            else if (c == ')' && s->parens > 0)
                s->parens--;
            else if (c == ';' && s->parens == 0) {
                *ret_end = s->pos;
                return MINISQL_SPLIT_STATEMENT;
            }
        }
    }
    return MINISQL_SPLIT_MORE;
}

char minisql_split_prompt(const struct minisql_splitter *s)
{
    if (s->inside)
        return s->inside == 'E' ? '\'' : s->inside;
    if (s->parens)
        return '(';
    return s->some ? '-' : '=';
}

static bool in_list(const char *word, size_t n, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(list[i]) == n && strncasecmp(word, list[i], n) == 0)
            return true;
    return false;
}

bool minisql_reads_only(const char *sql)
{
    static const char *const readers[] = {"select", "values", "table", "show", "explain", "with"};
    static const char *const writers[] = {"insert",  "update", "delete",  "merge",   "into",
                                          "analyze", "create", "nextval", "execute", "setval"};
    struct minisql_splitter s = {0};
    size_t len = strlen(sql), words = 0;
    bool safe = true;
    /* the same steps as minisql_split(), but only words outside of quotes count */
    while (s.pos < len && safe) {
        if (s.inside == '*')
            scan_comment(&s, sql, len);
        else if (s.inside == '$') {
            scan_dollar(&s, sql, len);
            safe = !s.inside;
        } else if (s.inside)
            scan_quote(&s, sql, len);
        else if (!open_quote(&s, sql, len)) {
            size_t start = s.pos;
            if (!is_word(sql[start])) {
                s.pos++;
                continue;
            }
            scan_word(&s, sql, len);
            size_t n = s.pos - start;
            safe = words++ ? !in_list(sql + start, n, writers, ARRAY_LEN(writers))
                           : in_list(sql + start, n, readers, ARRAY_LEN(readers));
        }
    }
    minisql_split_reset(&s);
    return safe && words > 0;
}
