/*
 * PostgreSQL's regular expressions, inside types/. Three files:
 *
 *   regex_parse.c   pattern -> a tree of parts (struct part), each with its expression (struct
 * node) regex_run.c     expression -> program; finding the ends that a program can reach in a text
 *   regex.c         find the match, divide it among the parentheses; the thread's cache of patterns
 *
 * and regex_func.c, the SQL functions. How a match is chosen says the essay in regex.c.
 */
#pragma once

#include "types/types_int.h"

enum {
    REGEX_ADVANCED = 1, /* escapes, non-greedy quantifiers, lookaround; else POSIX's extended */
    REGEX_LITERAL = 2,
    REGEX_IGNORE_CASE = 4,
    REGEX_NEWLINE_STOPS = 8,    /* . and [^..] don't match a newline */
    REGEX_NEWLINE_ANCHORS = 16, /* ^ and $ match at newlines, too */
    REGEX_EXPANDED = 32,        /* blanks and comments are left out */
    REGEX_BASIC = 64,           /* refused */
};

enum {
    REGEX_MAX_REPEAT = 255,
    REGEX_MAX_DEPTH = 500,
    REGEX_MAX_PATTERN = 30000,
    REGEX_FOREVER = 256
};

/* ---- expressions --------------------------------------------------------------------------- */

enum node_kind { NODE_EMPTY, NODE_SET, NODE_SEQUENCE, NODE_EITHER, NODE_REPEAT, NODE_HERE };

/* What can be asked of a place between two characters. */
enum here {
    HERE_TEXT_START,
    HERE_TEXT_END,
    HERE_LINE_START, /* a newline counts where the pattern says so; decided when parsing */
    HERE_LINE_END,
    HERE_WORD_START,
    HERE_WORD_END,
    HERE_WORD_EDGE,
    HERE_NO_WORD_EDGE,
    HERE_LOOK, /* `look` */
};

/* Immutable once made; parts share them. */
struct node {
    enum node_kind kind;
    enum here here;
    int set;                  /* NODE_SET: index in regex->sets */
    int look;                 /* HERE_LOOK: index in regex->looks */
    int min, max;             /* NODE_REPEAT; REGEX_FOREVER: no limit */
    const struct node *a, *b; /* SEQUENCE, EITHER: both; long lists hang down the a side */
};

/* A set of characters as ranges, before colors exist. */
struct char_range {
    uint32_t low, high;
};
struct char_set {
    struct char_range *ranges;
    int n, cap;
    bool negated;
    uint64_t *colors; /* bits, once colors exist */
};

struct look {
    const struct node *node;
    bool behind, negated;
    struct program *program;
};

/* ---- parts: what a match is divided among --------------------------------------------------- */

enum { PREFER_LONG = 1, PREFER_SHORT = 2, MIXED = 4, CAPTURES = 8, REFERS = 16 };
enum part_kind {
    PART_PLAIN,    /* nothing inside is of interest */
    PART_SEQUENCE, /* child, then its sibling */
    PART_EITHER,   /* one of the children */
    PART_GROUP,    /* the child, captured under a second number */
    PART_REPEAT,   /* min .. max times the child */
    PART_REFER,    /* min .. max times what group `refers` captured */
};

struct part {
    enum part_kind kind;
    int flags;
    int group; /* captures its text under this number; 0: none */
    int refers;
    int min, max;
    struct part *child, *sibling;
    const struct node *node; /* what it can match, references taken as what they refer to */
    struct program *program; /* of `node`; made when it is first needed */
};

/* ---- the whole ------------------------------------------------------------------------------- */

enum { SET_WORD, SET_NEWLINE, SET_ANY, FIRST_SET };

struct regex {
    struct arena arena;
    int flags, n_groups;
    struct part *top;
    bool anchored;          /* matches at the start of the text only */
    struct program *finder; /* .* and the pattern */
    struct char_set *sets;
    int n_sets, cap_sets;
    struct look *looks;
    int n_looks, cap_looks;
    /* Characters that no set tells apart have one color: color i is [bounds[i - 1], bounds[i]). */
    uint32_t *bounds;
    int n_bounds, color_words;
    uint16_t ascii[128];
    bool failed; /* a program of a part was too large */

    /* the text that is being searched; `scratch` holds it */
    struct arena scratch;
    const char *text;
    size_t text_bytes;
    int n_chars;
    uint16_t *colors;
    uint32_t *chars;   /* only where groups are referred to */
    uint32_t *offsets; /* byte of each character, n_chars + 1; NULL: all are one byte long */
    uint64_t steps;
};

struct regex_span {
    int from, to; /* characters; -1: not set */
};

/* ---- regex_parse.c ----------------------------------------------------------------------------
 */

/* NULL, or PostgreSQL's words for what is wrong ("quantifier operand invalid"). *ret_unsupported:
 * nothing is wrong with it, but it is not supported here. */
const char *types__regex_parse(struct regex *re, const uint32_t *pattern, int n,
                               bool *ret_unsupported);

/* ---- regex_run.c ------------------------------------------------------------------------------
 */

extern const char types__regex_too_complex[];

struct program *types__regex_program(struct regex *re,
                                     const struct node *node); /* NULL: too large */
void types__regex_colors(struct regex *re);
/* An end of a match that begins at `from`: the last one <= most, or with `shortest` the first one
 * >= least. -1: none, or the steps are used up. */
int types__regex_end(struct regex *re, struct program *p, int from, int least, int most,
                     bool shortest);
/* Is there a match that begins at or after `from`? *ret_first, *ret_last: where the leftmost one
 * can begin at all. */
bool types__regex_search(struct regex *re, struct program *p, int from, int *ret_first,
                         int *ret_last);

/* ---- regex.c ----------------------------------------------------------------------------------
 */

enum { REGEX_MAX_STEPS = 1 << 30 };

/* The compiled pattern, owned by the thread's cache: valid until the next call. 2201B. */
struct error *types__regex_get(const struct value *pattern, int flags, struct regex **ret);
/* `text` has to stay while it is searched. */
void types__regex_text(struct regex *re, const struct value *text);
/* Does it match anywhere? */
struct error *types__regex_matches(struct regex *re, bool *ret);
/* The first match that begins at character `from` or later. spans[0] is the match, spans[i] group
 * i; n_spans may be less than there are groups. */
struct error *types__regex_find(struct regex *re, int from, struct regex_span *spans, int n_spans,
                                bool *ret_found);
/* The text of a span. */
struct value types__regex_slice(const struct regex *re, struct regex_span span);
