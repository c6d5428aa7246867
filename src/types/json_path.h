/* SQL/JSON paths, inside types/: what json_path.c reads and json_path_run.c runs, with
 * json_path_time.c for dates and times. */
#pragma once

#include "types/json.h"

enum path_kind {
    PATH_ROOT,
    PATH_CURRENT, /* @ */
    PATH_LAST,
    PATH_VARIABLE, /* text */
    PATH_LITERAL,  /* literal */
    PATH_KEY,      /* text */
    PATH_ANY_KEY,
    PATH_ANY_ITEM, /* [*] */
    PATH_INDEX,    /* left: a list of PATH_RANGE through `next` */
    PATH_RANGE,    /* left to right (NULL: left alone) */
    PATH_DEEP,     /* .**{first to last} */
    PATH_FILTER,   /* left */
    PATH_METHOD,   /* method; datetime(): text, VALUE_NULL: none */
    PATH_OR,       /* these: left, right */
    PATH_AND,
    PATH_EQUAL,
    PATH_NOT_EQUAL,
    PATH_LESS,
    PATH_GREATER,
    PATH_LESS_EQUAL,
    PATH_GREATER_EQUAL,
    PATH_STARTS,
    PATH_ADD,
    PATH_SUBTRACT,
    PATH_MULTIPLY,
    PATH_DIVIDE,
    PATH_MODULO,
    PATH_LIKE, /* left, text, flags */
    PATH_PLUS, /* these: left */
    PATH_MINUS,
    PATH_NOT,
    PATH_IS_UNKNOWN,
    PATH_EXISTS,
};

enum path_method {
    METHOD_TYPE,
    METHOD_SIZE,
    METHOD_DOUBLE,
    METHOD_ABS,
    METHOD_FLOOR,
    METHOD_CEILING,
    METHOD_DATETIME,
    METHOD_KEYVALUE,
};
enum { PATH_MAX_DEPTH = 200, PATH_DEEPEST = INT32_MAX };

struct path {
    enum path_kind kind;
    enum path_method method;
    struct value text; /* VALUE_NULL flags: none */
    struct value flags;
    struct json literal;
    int first, last; /* PATH_DEEP */
    struct path *left, *right;
    struct path *next; /* what is applied to the result */
};

extern const char *const types__path_methods[];   /* names by enum path_method */
extern const char *const types__path_operators[]; /* texts by kind, PATH_OR to PATH_MODULO */

/* 42601, 22P02 */
struct error *types__path_read(const struct value *text, struct arena *a, bool *ret_strict,
                               struct path **ret);
void types__path_write(const struct path *p, bool strict, struct buf *out);
/* Flags of a like_regex as those of types__regex_get(). */
struct error *types__path_regex_flags(const struct value *flags, int *ret);

/* ---- dates and times (json_path_time.c) ------------------------------------------------------ */

/* The text of a JSON_STRING as JSON_MOMENT, by a template, or (VALUE_NULL) as ISO 8601. *ret_hard:
 * the template is wrong, which no path forgives. 22007, 22008, 22009, 22031, 0A000 */
struct error *types__path_moment(const struct value *text, const struct value *template,
                                 struct arena *a, struct json *ret, bool *ret_hard);
const char *types__path_moment_type(const struct json *moment);
/* *ret_comparable: false for a time and a date. By the session's zone, where one has a zone and the
 * other one has none: 0A000 unless `zoned`. */
struct error *types__path_moment_compare(const struct json *x, const struct json *y, bool zoned,
                                         struct arena *a, bool *ret_comparable, int *ret);
