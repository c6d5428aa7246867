/*
 * lex: a small scanner of PostgreSQL's tokens, for places where the parser tells too little: the
 * text of a DEFAULT, and literals to lift. It knows what a token is, not what it means.
 */
#pragma once

#include "base/base.h"

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* an unquoted identifier or keyword */
    TOKEN_QUOTED, /* "identifier" */
    TOKEN_STRING, /* 'plain' */
    TOKEN_OTHER,  /* E'', B'', X'', U&'', U&"", $$..$$, and strings continued on the next line */
    TOKEN_NUMBER,
    TOKEN_PARAM, /* $1 */
    TOKEN_OPERATOR,
    TOKEN_PUNCTUATION, /* ( ) [ ] , ; . : */
    TOKEN_BAD,         /* unterminated, or no token of SQL */
};

struct token {
    enum token_kind kind;
    const char *start;
    size_t len;
    bool doubled; /* TOKEN_STRING: has '' inside */
    bool integer; /* TOKEN_NUMBER: digits only */
};

/* The token at p, blanks and comments skipped; `end` is where the text ends (and holds a 0).
 * Returns where to go on. */
const char *sql__lex(const char *p, const char *end, struct token *ret);
bool sql__is_word(const struct token *t, const char *lower); /* an unquoted word, any case */
