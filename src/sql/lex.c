/* See lex.h. One table says what a character may begin. */
#include "lex.h"

#include <strings.h>

enum { C_WORD = 1, C_DIGIT = 2, C_OPERATOR = 4, C_SPACE = 8, C_PUNCT = 16 };

static const unsigned char classes[256] = {
    ['a' ... 'z'] = C_WORD,  ['A' ... 'Z'] = C_WORD, ['_'] = C_WORD,     [128 ... 255] = C_WORD,
    ['0' ... '9'] = C_DIGIT, ['+'] = C_OPERATOR,     ['-'] = C_OPERATOR, ['*'] = C_OPERATOR,
    ['/'] = C_OPERATOR,      ['<'] = C_OPERATOR,     ['>'] = C_OPERATOR, ['='] = C_OPERATOR,
    ['~'] = C_OPERATOR,      ['!'] = C_OPERATOR,     ['@'] = C_OPERATOR, ['#'] = C_OPERATOR,
    ['%'] = C_OPERATOR,      ['^'] = C_OPERATOR,     ['&'] = C_OPERATOR, ['|'] = C_OPERATOR,
    ['`'] = C_OPERATOR,      ['?'] = C_OPERATOR,     [' '] = C_SPACE,    ['\t'] = C_SPACE,
    ['\n'] = C_SPACE,        ['\r'] = C_SPACE,       ['\f'] = C_SPACE,   ['('] = C_PUNCT,
    [')'] = C_PUNCT,         ['['] = C_PUNCT,        [']'] = C_PUNCT,    [','] = C_PUNCT,
    [';'] = C_PUNCT,         ['.'] = C_PUNCT,        [':'] = C_PUNCT,
};

static int class_of(const char *p)
{
    return classes[(unsigned char)*p];
}

/* Nested, as in PostgreSQL. NULL: unterminated. */
static const char *skip_comment(const char *p, const char *end)
{
    int depth = 0;
    while (p + 1 < end) {
        if (p[0] == '/' && p[1] == '*') {
            depth++;
            p += 2;
        } else if (p[0] == '*' && p[1] == '/') {
            p += 2;
            if (--depth == 0)
                return p;
        } else {
            p++;
        }
    }
    return NULL;
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end) {
        if (class_of(p) == C_SPACE) {
            p++;
        } else if (p[0] == '-' && p[1] == '-') {
            while (p < end && *p != '\n' && *p != '\r')
                p++;
        } else if (p[0] == '/' && p[1] == '*') {
            p = skip_comment(p, end);
            if (!p)
                return NULL;
        } else {
            break;
        }
    }
    return p;
}

/* After the opening quote. Sets *ret_doubled. NULL: unterminated. */
static const char *skip_quotes(const char *p, const char *end, char quote, bool *ret_doubled)
{
    for (;;) {
        p = memchr(p, quote, (size_t)(end - p));
        if (!p)
            return NULL;
        if (p[1] != quote)
            return p + 1;
        *ret_doubled = true;
        p += 2;
    }
}

/* E'..': a backslash hides a quote. */
static const char *skip_escaped(const char *p, const char *end)
{
    for (; p < end; p++) {
        if (*p == '\\')
            p++;
        else if (*p == '\'' && p[1] == '\'')
            p++;
        else if (*p == '\'')
            return p + 1;
    }
    return NULL;
}

static const char *skip_dollar(const char *p, const char *end)
{
    const char *tag = p++;
    while (class_of(p) & (C_WORD | C_DIGIT))
        p++;
    if (*p != '$')
        return NULL;
    size_t n = (size_t)(++p - tag);
    const char *close = memmem(p, (size_t)(end - p), tag, n);
    return close ? close + n : NULL;
}

/* 'a' <newline> 'b' is one string. */
static bool is_continued(const char *p, const char *end)
{
    bool newline = false;
    for (; p < end && class_of(p) == C_SPACE; p++)
        newline |= *p == '\n' || *p == '\r';
    return p < end && newline && *p == '\'';
}

static const char *string(const char *p, const char *end, struct token *t)
{
    const char *next = skip_quotes(p + 1, end, '\'', &t->doubled);
    t->kind = !next ? TOKEN_BAD : is_continued(next, end) ? TOKEN_OTHER : TOKEN_STRING;
    return next;
}

static const char *number(const char *p, struct token *t)
{
    t->kind = TOKEN_NUMBER;
    t->integer = true;
    while (class_of(p) == C_DIGIT)
        p++;
    if (*p == '.' && p[1] != '.') {
        t->integer = false;
        p++;
        while (class_of(p) == C_DIGIT)
            p++;
    }
    if ((*p | 0x20) == 'e' && (class_of(p + 1) == C_DIGIT ||
                               ((p[1] == '+' || p[1] == '-') && class_of(p + 2) == C_DIGIT))) {
        t->integer = false;
        p += 2;
        while (class_of(p) == C_DIGIT)
            p++;
    }
    if (class_of(p) == C_WORD)
        t->kind = TOKEN_BAD; /* 12abc: whatever PostgreSQL makes of it */
    return p;
}

/* A word, or a string that begins with a letter. */
static const char *word(const char *p, const char *end, struct token *t)
{
    const char *start = p;
    bool unused = false;
    while (class_of(p) & (C_WORD | C_DIGIT) || (*p == '$' && p < end))
        p++;
    t->kind = TOKEN_WORD;
    size_t n = (size_t)(p - start);
    char first = (char)(*start | 0x20);
    if (*p == '\'' && n == 1 && strchr("ebxn", first)) {
        t->kind = TOKEN_OTHER;
        p = first == 'e' ? skip_escaped(p + 1, end) : skip_quotes(p + 1, end, '\'', &unused);
    } else if (*p == '&' && n == 1 && first == 'u' && (p[1] == '\'' || p[1] == '"')) {
        t->kind = TOKEN_OTHER;
        p = skip_quotes(p + 2, end, p[1], &unused);
    }
    return p;
}

static const char *operator(const char *p, const char *end)
{
    const char *start = p;
    while (p < end && class_of(p) == C_OPERATOR) {
        if (p > start && ((p[0] == '-' && p[1] == '-') || (p[0] == '/' && p[1] == '*')))
            break;
        p++;
    }
    /* "=-1": an operator of these characters alone does not end in + or - */
    while (p - start > 1 && (p[-1] == '+' || p[-1] == '-') &&
           strcspn(start, "~!@#%^&|`?") >= (size_t)(p - start))
        p--;
    return p;
}

static const char *other(const char *p, const char *end, struct token *t)
{
    bool unused = false;
    if (*p == '"') {
        t->kind = TOKEN_QUOTED;
        return skip_quotes(p + 1, end, '"', &unused);
    }
    if (*p == '$' && class_of(p + 1) == C_DIGIT) {
        t->kind = TOKEN_PARAM;
        for (p++; class_of(p) == C_DIGIT;)
            p++;
        return p;
    }
    if (*p == '$') {
        t->kind = TOKEN_OTHER;
        return skip_dollar(p, end);
    }
    t->kind = TOKEN_BAD;
    return p + 1;
}

const char *sql__lex(const char *p, const char *end, struct token *t)
{
    *t = (struct token){.kind = TOKEN_END, .start = end};
    p = skip_blanks(p, end);
    if (!p)
        t->kind = TOKEN_BAD;
    if (!p || p >= end)
        return end;
    const char *next;
    t->start = p;
    switch (class_of(p)) {
    case C_WORD:
        next = word(p, end, t);
        break;
    case C_DIGIT:
        next = number(p, t);
        break;
    case C_OPERATOR:
        t->kind = TOKEN_OPERATOR;
        next = operator(p, end);
        break;
    case C_PUNCT:
        if (*p == '.' && class_of(p + 1) == C_DIGIT) {
            next = number(p, t);
            break;
        }
        t->kind = TOKEN_PUNCTUATION;
        next = p + (*p == ':' && p[1] == ':' ? 2 : 1);
        break;
    default:
        next = *p == '\'' ? string(p, end, t) : other(p, end, t);
    }
    if (!next || next > end) {
        t->kind = TOKEN_BAD;
        next = end;
    }
    t->len = (size_t)(next - p);
    return next;
}

bool sql__is_word(const struct token *t, const char *lower)
{
    return t->kind == TOKEN_WORD && (*t->start | 0x20) == *lower && t->len == strlen(lower) &&
           strncasecmp(t->start, lower, t->len) == 0;
}
