/*
 * json and jsonb, inside types/.
 *
 *   json_parse.c  text -> struct json, with PostgreSQL's errors; struct json -> text
 *   json_io.c     the two types' forms, order, casts
 *   json_get.c    operators and functions that look into a value
 *   json_edit.c   those that make another value of one
 *   json_make.c   to_json(b) of any type, json(b)_build_*, aggregates
 *   json_path.c, json_path_run.c, json_path_time.c, json_layout.c  SQL/JSON paths
 *
 * SQLite holds both as text: json as it was written, jsonb as PostgreSQL prints it, so that equal
 * keys are gone, keys are sorted by length, then bytes, and numbers are numeric's text. Equal jsonb
 * may still differ (1.0, 1.00): comparing takes the values apart.
 */
#pragma once

#include "types/types_int.h"

enum { JSON_MAX_DEPTH = 1500 };

/* In the order of jsonb, which has no JSON_MOMENT: what datetime() of a path gives. */
enum json_kind {
    JSON_NULL,
    JSON_STRING,
    JSON_NUMBER,
    JSON_BOOL,
    JSON_MOMENT,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json {
    enum json_kind kind;
    bool truth; /* JSON_BOOL */
    int n;      /* items or members */
    union {
        uint32_t offset; /* of an array or object, by types__json_lay_out() */
        uint32_t type;   /* JSON_MOMENT: date or a type like it .. */
    };
    struct value text;   /* JSON_STRING, JSON_MOMENT: its characters; JSON_NUMBER: its digits */
    struct json *items;  /* of an array; of an object the values */
    struct value *keys;  /* of an object */
    struct value source; /* the text that it was read from, where it was read; .. and its value */
};

enum json_how {
    JSON_CHECK, /* type json: only whether it is right; escapes are not looked at */
    JSON_READ,  /* keys in the order of the text, also twice; numbers as they are written */
    JSON_SORT,  /* as jsonb has it: keys sorted and once, numbers as numeric */
};

/* 22P02, 22P05, 54001; *ret and what hangs on it lie in the arena. */
struct error *types__json_read(const struct value *text, enum json_how how, struct arena *a,
                               struct json *ret);
/* The text form of jsonb. */
void types__json_write(const struct json *j, struct buf *out);
struct value types__json_text(const struct json *j, struct arena *a);
/* Makes an object's keys sorted and single; of equal ones the last counts. */
void types__json_sort(struct json *object, struct arena *a);
const char *types__json_kind_name(enum json_kind kind); /* as jsonb_typeof() tells it */
int types__json_compare(const struct json *x, const struct json *y);
/* The member of a sorted or unsorted object; of several the last. NULL: none */
struct json *types__json_member(const struct json *object, const char *key, size_t n);
bool types__json_equal(const struct json *x, const struct json *y);
/* Tells all arrays and objects in it where they lie in PostgreSQL's binary form of it. */
void types__json_lay_out(struct json *j);

/* The text of a path's step as a number, for arrays. */
bool types__json_index(const struct value *text, int64_t *ret);
struct json *types__json_follow(struct json *j, const struct value *path, size_t n); /* or NULL */
struct error *types__json_path_read(const struct value *v, struct arena *a, struct array *ret);

/* Any value as JSON text, appended: what to_json() gives. `sorted`: as jsonb. */
struct error *types__json_of(const struct value *v, uint32_t type, struct arena *a,
                             struct buf *out);
