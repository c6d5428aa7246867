/* to_char() and its family: format_time.c, scan_time.c, format_number.c, scan_number.c. Private to
 * them and json_path_time.c. */
#pragma once

#include "types/types_int.h"

/* "st", "nd", "rd" or "th" for the number that stands at the end of `out` */
void types__format_ordinal(struct buf *out, bool upper);
/* The next character of a format that stands for itself (more, of what is in quotes), appended;
 * gives what is behind it. */
const char *types__format_literal(const char *s, const char *end, struct buf *out);

enum { FORMAT_MAX_BYTES = 1024 * 1024 }; /* 54000 beyond */

/* ---- formats of times (format_time.c) ------------------------------------------------------- */

struct time_item {
    const char *name; /* of a pattern; NULL: a character */
    bool fill_mode, localized;
    bool ordinal, upper; /* TH or th comes behind */
    char text[5];        /* the character */
    bool quoted;
};

struct error *types__time_items(const struct value *format, struct arena *a, struct time_item **ret,
                                size_t *ret_n);

/* ---- as SQL/JSON reads times (scan_time.c) -------------------------------------------------- */

struct moment_read {
    uint32_t type; /* OID_DATE, OID_TIME, OID_TIMETZ, OID_TIMESTAMP or OID_TIMESTAMPTZ */
    int64_t value;
    int32_t east; /* the offset in the text, seconds; 0: none */
};

/* 22007 where what stands between the patterns may not. */
struct error *types__time_separators(const struct time_item *items, size_t n);
/* 22007, 22008, 22009, 0A000 */
struct error *types__moment_read(const struct value *text, const struct time_item *items, size_t n,
                                 struct moment_read *ret);

/* ---- formats of numbers (format_number.c) --------------------------------------------------- */

enum number_pattern {
    PATTERN_LITERAL,
    PATTERN_NINE,
    PATTERN_ZERO,
    PATTERN_POINT, /* . and D */
    PATTERN_COMMA, /* , and G */
    PATTERN_CURRENCY,
    PATTERN_MINUS,
    PATTERN_PLUS,
    PATTERN_SIGN, /* SG */
    PATTERN_ORDINAL,
    PATTERN_ROMAN,
    PATTERN_SILENT, /* says something about the whole: FM, S, PR, B, V, EEEE */
};

struct number_item {
    enum number_pattern pattern;
    bool upper;
    const char *text; /* of a literal: one character, or what was quoted */
    size_t n;
};

/* Where S puts the sign. */
enum number_sign { SIGN_NOWHERE, SIGN_BEFORE, SIGN_BEHIND };

struct number_format {
    struct number_item *items;
    size_t n;
    int whole, fraction; /* digits before the point, with those behind V; digits behind it */
    int shift;           /* digits behind V */
    int first_zero;      /* among the digits, the first 0 before the point; -1: none */
    int end_zero;        /* the digits up to the last 0 */
    enum number_sign sign;
    int sign_at; /* digits before S */
    bool point, fill_mode, scaled, brackets, minus, plus, roman, exponent, blank;
};

struct error *types__number_format(const struct value *format, struct arena *a,
                                   struct number_format *ret);
