/*
 * Regular expressions in SQL: the operators ~ and its kin, SIMILAR TO, substring, and the regexp_*
 * functions, as PostgreSQL 15 has them. Optional arguments are rows of their own.
 */
#include "types/regex.h"

/* ---- options ------------------------------------------------------------------------------------
 */

static int apply_option(int flags, char letter)
{
    switch (letter) {
    case 'b':
    case 'e': /* to PostgreSQL 15, which documents it as extended, it is the same */
        return (flags | REGEX_BASIC) & ~(REGEX_ADVANCED | REGEX_LITERAL);
    case 'c':
        return flags & ~REGEX_IGNORE_CASE;
    case 'i':
        return flags | REGEX_IGNORE_CASE;
    case 'm':
    case 'n':
        return flags | REGEX_NEWLINE_STOPS | REGEX_NEWLINE_ANCHORS;
    case 'p':
        return (flags | REGEX_NEWLINE_STOPS) & ~REGEX_NEWLINE_ANCHORS;
    case 'q':
        return (flags | REGEX_LITERAL) & ~REGEX_ADVANCED;
    case 's':
        return flags & ~(REGEX_NEWLINE_STOPS | REGEX_NEWLINE_ANCHORS);
    case 't':
        return flags & ~REGEX_EXPANDED;
    case 'w':
        return (flags | REGEX_NEWLINE_ANCHORS) & ~REGEX_NEWLINE_STOPS;
    case 'x':
        return flags | REGEX_EXPANDED;
    default:
        return -1;
    }
}

/* `options`: NULL or a text; *ret_global NULL: g is refused with the function's name. */
static struct error *read_options(const struct value *options, const char *function, int *ret_flags,
                                  bool *ret_global)
{
    int flags = REGEX_ADVANCED;
    bool global = false;
    for (size_t i = 0; options && i < options->s.n; i++) {
        const char *p = options->s.p + i;
        int next = apply_option(flags, *p);
        if (*p == 'g')
            global = true;
        else if (next < 0)
            return error_new("22023", "invalid regular expression option: \"%.*s\"",
                             (int)types__utf8_prefix(p, options->s.n - i, 1), p);
        else
            flags = next;
    }
    if (global && !ret_global)
        return error_new("22023", "%s does not support the \"global\" option", function);
    if (ret_global)
        *ret_global = global;
    *ret_flags = flags;
    return NULL;
}

static struct error *bad_parameter(const char *name, int64_t i)
{
    return error_new("22023", "invalid value for parameter \"%s\": %d", name, (int)i);
}

/* Compiles v[1] and gives it the text v[0]. */
static struct error *prepare(const struct value *v, int flags, struct regex **ret)
{
    TRY(types__regex_get(&v[1], flags, ret));
    types__regex_text(*ret, &v[0]);
    return NULL;
}

/* ---- operators ----------------------------------------------------------------------------------
 */

static struct error *test(const struct value *v, int flags, bool expected, struct value *ret)
{
    struct regex *re;
    bool found;
    TRY(prepare(v, flags, &re));
    TRY(types__regex_matches(re, &found));
    *ret = value_int(found == expected);
    return NULL;
}

#define DEFINE_TEST(name, flags, expected)                                                         \
    static CALL(name)                                                                              \
    {                                                                                              \
        return test(v, flags, expected, ret);                                                      \
    }

DEFINE_TEST(regex_match, REGEX_ADVANCED, true)
DEFINE_TEST(regex_not_match, REGEX_ADVANCED, false)
DEFINE_TEST(regex_imatch, REGEX_ADVANCED | REGEX_IGNORE_CASE, true)
DEFINE_TEST(regex_not_imatch, REGEX_ADVANCED | REGEX_IGNORE_CASE, false)

static CALL(regexp_like)
{
    int flags;
    TRY(read_options(n > 2 ? &v[2] : NULL, "regexp_like()", &flags, NULL));
    return test(v, flags, true, ret);
}

/* ---- SIMILAR TO ---------------------------------------------------------------------------------
 */

struct similar {
    struct buf out;
    bool escaped, in_class;
    int quotes;
};

static struct error *escaped_char(struct similar *s, const char *c, size_t len)
{
    static const char *const separators[] = {"){1,1}?(", "){1,1}(?:"};
    s->escaped = false;
    if (*c != '"' || s->in_class) {
        buf_puts(&s->out, "\\");
        buf_append(&s->out, c, len);
        return NULL;
    }
    if (s->quotes == 2)
        return error_new("2200C", "SQL regular expression may not contain more than two "
                                  "escape-double-quote separators");
    buf_puts(&s->out, separators[s->quotes++]);
    return NULL;
}

static void plain_char(struct similar *s, const char *c, size_t len)
{
    if (s->in_class) {
        buf_puts(&s->out, *c == '\\' ? "\\" : "");
        s->in_class = *c != ']';
    } else if (*c == '%' || *c == '_' || *c == '(') {
        buf_puts(&s->out, *c == '%' ? ".*" : *c == '_' ? "." : "(?:");
        return;
    } else if (strchr("\\.^$", *c)) {
        buf_puts(&s->out, "\\");
    } else {
        s->in_class = *c == '[';
    }
    buf_append(&s->out, c, len);
}

/* ^(?:part1){1,1}?(part2){1,1}(?:part3)$, where escape and double quote divide the pattern: part 2
 * is what substring() gives, parts 1 and 3 are as short as they can be. Else ^(?:pattern)$. */
static struct error *similar_pattern(const struct value *pattern, const struct value *escape,
                                     struct arena *a, struct value *ret)
{
    if (escape->s.n && types__utf8_prefix(escape->s.p, escape->s.n, 1) != escape->s.n)
        return error_hint(error_new("22025", "invalid escape string"),
                          "Escape string must be empty or one character.");
    struct similar s = {0};
    struct error *e = NULL;
    buf_puts(&s.out, "^(?:");
    for (size_t i = 0, len; i < pattern->s.n && !e; i += len) {
        const char *c = pattern->s.p + i;
        len = types__utf8_prefix(c, pattern->s.n - i, 1);
        if (s.escaped)
            e = escaped_char(&s, c, len);
        else if (len == escape->s.n && memcmp(c, escape->s.p, len) == 0)
            s.escaped = true;
        else
            plain_char(&s, c, len);
    }
    buf_puts(&s.out, ")$");
    if (!e)
        *ret = types__text_of(a, &s.out);
    buf_done(&s.out);
    return e;
}

static CALL(similar_to_escape)
{
    struct value backslash = value_text("\\", 1);
    return similar_pattern(&v[0], n > 1 ? &v[1] : &backslash, a, ret);
}

/* The older name: without an escape it is the backslash. */
static CALL(similar_escape)
{
    *ret = v[0];
    return v[0].kind == VALUE_NULL ? NULL
                                   : similar_to_escape(v, v[1].kind == VALUE_NULL ? 1 : 2, a, ret);
}

/* ---- substring ----------------------------------------------------------------------------------
 */

/* The first group, if there are groups; else all of the match. */
static CALL(regex_substring)
{
    struct regex *re;
    struct regex_span spans[2];
    bool found;
    *ret = (struct value){.kind = VALUE_NULL};
    TRY(prepare(v, REGEX_ADVANCED, &re));
    TRY(types__regex_find(re, 0, spans, re->n_groups ? 2 : 1, &found));
    const struct regex_span *s = &spans[re->n_groups ? 1 : 0];
    if (found && s->from >= 0)
        *ret = types__regex_slice(re, *s);
    return NULL;
}

static CALL(similar_substring)
{
    struct value args[2] = {v[0]};
    TRY(similar_pattern(&v[1], &v[2], a, &args[1]));
    return regex_substring(args, 2, a, ret);
}

/* ---- replacing ----------------------------------------------------------------------------------
 */

enum { REPLACE_GROUPS = 10 };

/* \1 .. \9 and \& in the replacement; another escape stays as it is, \\ is a backslash. */
static void append_replacement(const struct regex *re, const struct value *text,
                               const struct regex_span *spans, struct buf *out)
{
    const char *p = text->s.p, *end = p + text->s.n;
    while (p < end) {
        const char *backslash = memchr(p, '\\', (size_t)(end - p));
        if (!backslash || backslash + 1 == end) {
            buf_append(out, p, (size_t)(end - p));
            return;
        }
        buf_append(out, p, (size_t)(backslash - p));
        char c = backslash[1];
        p = backslash + 2;
        if (c == '&' || (c >= '1' && c <= '9')) {
            const struct regex_span *s = &spans[c == '&' ? 0 : c - '0'];
            if (s->from >= 0) {
                struct value part = types__regex_slice(re, *s);
                buf_append(out, part.s.p, part.s.n);
            }
        } else {
            buf_puts(out, "\\");
            p -= c != '\\';
        }
    }
}

/* Replaces the nth match at or after character `start`; nth 0: all of them. */
static struct error *replace(const struct value *v, int flags, int start, int64_t nth,
                             struct arena *a, struct value *ret)
{
    struct regex *re;
    struct regex_span spans[REPLACE_GROUPS];
    bool found, groups = memchr(v[2].s.p, '\\', v[2].s.n) != NULL;
    _cleanup_(buf_done) struct buf out = {0};
    int copied = 0;
    TRY(prepare(v, flags, &re));
    for (int64_t matches = 1; start <= re->n_chars; matches++) {
        TRY(types__regex_find(re, start, spans, groups ? REPLACE_GROUPS : 1, &found));
        if (!found)
            break;
        start = spans[0].to + (spans[0].from == spans[0].to);
        if (nth > 0 && matches != nth)
            continue;
        struct value before = types__regex_slice(re, (struct regex_span){copied, spans[0].from});
        if (out.len + before.s.n + v[2].s.n > TEXT_MAX_BYTES)
            return error_new("54000", "requested length too large");
        buf_append(&out, before.s.p, before.s.n);
        append_replacement(re, &v[2], spans, &out);
        copied = spans[0].to;
        if (nth > 0)
            break;
    }
    struct value rest = types__regex_slice(re, (struct regex_span){copied, re->n_chars});
    buf_append(&out, rest.s.p, rest.s.n);
    *ret = types__text_of(a, &out);
    return NULL;
}

/* (text, pattern, replacement [, flags]) */
static CALL(regexp_replace)
{
    int flags = REGEX_ADVANCED;
    bool global = false;
    if (n > 3 && v[3].s.n && v[3].s.p[0] >= '0' && v[3].s.p[0] <= '9')
        return error_hint(
            error_new("22023", "invalid regular expression option: \"%c\"", v[3].s.p[0]),
            "If you meant to use regexp_replace() with a start parameter, cast the "
            "fourth argument to integer explicitly.");
    if (n > 3)
        TRY(read_options(&v[3], "", &flags, &global));
    return replace(v, flags, 0, global ? 0 : 1, a, ret);
}

/* (text, pattern, replacement, start [, nth [, flags]]) */
static CALL(regexp_replace_from)
{
    int flags = REGEX_ADVANCED;
    bool global = false;
    if (v[3].i <= 0)
        return bad_parameter("start", v[3].i);
    if (n > 4 && v[4].i < 0)
        return bad_parameter("n", v[4].i);
    if (n > 5)
        TRY(read_options(&v[5], "", &flags, &global));
    return replace(v, flags, (int)v[3].i - 1, n > 4 ? v[4].i : 1, a, ret);
}

/* The match after the one in spans[0], which is {start, start - 1} before the first. */
static struct error *next_match(struct regex *re, int *start, struct regex_span *spans, int n_spans,
                                bool *ret_found)
{
    *ret_found = false;
    if (*start > re->n_chars)
        return NULL;
    TRY(types__regex_find(re, *start, spans, n_spans, ret_found));
    if (*ret_found)
        *start = spans[0].to + (spans[0].from == spans[0].to);
    return NULL;
}

/* ---- arrays -------------------------------------------------------------------------------------
 */

/* The groups of a match, or all of it where there are none. */
static struct value match_array(const struct regex *re, const struct regex_span *spans,
                                struct arena *a)
{
    int n = MAX(re->n_groups, 1), first = re->n_groups ? 1 : 0;
    struct array parts = {.n_dims = 1, .dims = {n}, .lower = {1}, .n = (size_t)n};
    parts.items = ARENA_ARRAY(a, struct value, n);
    for (int i = 0; i < n; i++) {
        if (spans[first + i].from >= 0)
            parts.items[i] = types__regex_slice(re, spans[first + i]);
    }
    return types__array_write(type_by_oid(OID_TEXT), &parts, a);
}

/* (text, pattern [, flags]) */
static CALL(regexp_match)
{
    struct regex *re;
    int flags;
    bool found;
    TRY(read_options(n > 2 ? &v[2] : NULL, "regexp_match()", &flags, NULL));
    TRY(prepare(v, flags, &re));
    struct regex_span *spans = ARENA_ARRAY(a, struct regex_span, re->n_groups + 1);
    TRY(types__regex_find(re, 0, spans, re->n_groups + 1, &found));
    *ret = (struct value){.kind = VALUE_NULL};
    if (found)
        *ret = match_array(re, spans, a);
    return NULL;
}

/* What lies between the matches. Empty matches at the ends, and right behind another match, do not
 * split. */
static struct error *split(const struct value *v, int n, const char *function, struct arena *a,
                           struct value **ret, size_t *ret_n)
{
    struct regex *re;
    struct regex_span span;
    int flags, start = 0, before = 0, copied = 0;
    bool found;
    size_t cap = 16;
    TRY(read_options(n > 2 ? &v[2] : NULL, function, &flags, NULL));
    TRY(prepare(v, flags, &re));
    *ret = ARENA_ARRAY(a, struct value, cap);
    *ret_n = 0;
    for (;;) {
        TRY(next_match(re, &start, &span, 1, &found));
        bool splits = found && span.from < re->n_chars && span.to > before;
        if (found)
            before = span.to;
        if (found && !splits)
            continue;
        if (*ret_n == cap) {
            struct value *grown = ARENA_ARRAY(a, struct value, 2 * cap);
            memcpy(grown, *ret, cap * sizeof(*grown));
            *ret = grown;
            cap *= 2;
        }
        (*ret)[(*ret_n)++] =
            types__regex_slice(re, (struct regex_span){copied, found ? span.from : re->n_chars});
        if (!found)
            return NULL;
        copied = span.to;
    }
}

static CALL(regexp_split_to_array)
{
    struct array parts = {.n_dims = 1, .lower = {1}};
    TRY(split(v, n, "regexp_split_to_array()", a, &parts.items, &parts.n));
    parts.dims[0] = (int32_t)parts.n;
    *ret = types__array_write(type_by_oid(OID_TEXT), &parts, a);
    return NULL;
}

/* ---- counting and placing
 * ------------------------------------------------------------------------ */

/* (text, pattern [, start [, flags]]) */
static CALL(regexp_count)
{
    struct regex *re;
    struct regex_span span;
    int flags, start = n > 2 ? (int)MAX(v[2].i, 0) - 1 : 0;
    int64_t count = 0;
    if (start < 0)
        return bad_parameter("start", v[2].i);
    TRY(read_options(n > 3 ? &v[3] : NULL, "regexp_count()", &flags, NULL));
    TRY(prepare(v, flags, &re));
    for (bool found = true;; count++) {
        TRY(next_match(re, &start, &span, 1, &found));
        if (!found)
            break;
    }
    *ret = value_int(count);
    return NULL;
}

/* The nth match from `start` on, and of it group `group` (0: all). A pattern without groups is its
 * own first group. spans[0].from < 0: there is none. */
static struct error *nth_match(struct regex *re, int start, int64_t nth, int64_t group,
                               struct arena *a, struct regex_span *ret)
{
    bool found = true;
    *ret = (struct regex_span){-1, -1};
    if (group > MAX(re->n_groups, 1))
        return NULL;
    int which = re->n_groups ? (int)group : 0;
    struct regex_span *spans = ARENA_ARRAY(a, struct regex_span, which + 1);
    for (int64_t i = 0; i < nth && found; i++)
        TRY(next_match(re, &start, spans, i + 1 == nth ? which + 1 : 1, &found));
    if (found)
        *ret = spans[which];
    return NULL;
}

/* (text, pattern [, start [, nth [, endoption [, flags [, group]]]]]) */
static CALL(regexp_instr)
{
    struct regex *re;
    struct regex_span span;
    int flags;
    int64_t start = n > 2 ? v[2].i : 1, nth = n > 3 ? v[3].i : 1, at_end = n > 4 ? v[4].i : 0,
            group = n > 6 ? v[6].i : 0;
    if (start <= 0)
        return bad_parameter("start", start);
    if (nth <= 0)
        return bad_parameter("n", nth);
    if (at_end != 0 && at_end != 1)
        return bad_parameter("endoption", at_end);
    if (group < 0)
        return bad_parameter("subexpr", group);
    TRY(read_options(n > 5 ? &v[5] : NULL, "regexp_instr()", &flags, NULL));
    TRY(prepare(v, flags, &re));
    TRY(nth_match(re, (int)start - 1, nth, group, a, &span));
    *ret = value_int(span.from < 0 ? 0 : (at_end ? span.to : span.from) + 1);
    return NULL;
}

/* (text, pattern [, start [, nth [, flags [, group]]]]) */
static CALL(regexp_substr)
{
    struct regex *re;
    struct regex_span span;
    int flags;
    int64_t start = n > 2 ? v[2].i : 1, nth = n > 3 ? v[3].i : 1, group = n > 5 ? v[5].i : 0;
    if (start <= 0)
        return bad_parameter("start", start);
    if (nth <= 0)
        return bad_parameter("n", nth);
    if (group < 0)
        return bad_parameter("subexpr", group);
    TRY(read_options(n > 4 ? &v[4] : NULL, "regexp_substr()", &flags, NULL));
    TRY(prepare(v, flags, &re));
    TRY(nth_match(re, (int)start - 1, nth, group, a, &span));
    *ret = (struct value){.kind = VALUE_NULL};
    if (span.from >= 0)
        *ret = types__regex_slice(re, span);
    return NULL;
}

/* ---- functions that return rows
 * ------------------------------------------------------------------ */

static struct error *regexp_split_to_table(const struct value *v, int n, struct arena *a,
                                           void **ret)
{
    struct set_list *l = ARENA_NEW(a, struct set_list);
    *ret = l;
    return split(v, n, "regexp_split_to_table()", a, &l->items, &l->n);
}

/* (text, pattern [, flags]): the groups of each match, or of the first one */
static struct error *regexp_matches(const struct value *v, int n, struct arena *a, void **ret)
{
    struct set_list *l = ARENA_NEW(a, struct set_list);
    struct regex *re;
    int flags, start = 0;
    bool global, found;
    size_t cap = 0;
    *ret = l;
    TRY(read_options(n > 2 ? &v[2] : NULL, "", &flags, &global));
    TRY(prepare(v, flags, &re));
    struct regex_span *spans = ARENA_ARRAY(a, struct regex_span, re->n_groups + 1);
    do {
        TRY(next_match(re, &start, spans, re->n_groups + 1, &found));
        if (!found)
            break;
        if (l->n == cap) {
            cap = cap ? cap * 2 : 8;
            struct value *grown = ARENA_ARRAY(a, struct value, cap);
            if (l->n)
                memcpy(grown, l->items, l->n * sizeof(*grown));
            l->items = grown;
        }
        l->items[l->n++] = match_array(re, spans, a);
    } while (global);
    return NULL;
}

/* ---- rows ---------------------------------------------------------------------------------------
 */

#define T OID_TEXT
#define I4 OID_INT4
#define B OID_BOOL

/* char(n) is seen with its blanks, as in LIKE. */
#define REGEX_ROWS(op, fn)                                                                         \
    BINARY(op, T, T, B, #fn, fn), BINARY(op, OID_NAME, T, B, #fn, fn),                             \
    {                                                                                              \
        .name = op, .kind = FUNC_OPERATOR, .nargs = 2, .args = {OID_BPCHAR, T}, .result = B,       \
        .strict = true, .sqlite_name = #fn, .call = fn                                             \
    }
#define FUNC(n, args_, r, fn, suffix)                                                              \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .nargs = (int)ARRAY_LEN(((uint32_t[])args_)),              \
        .args = args_, .result = r, .strict = true, .sqlite_name = #fn "_" suffix, .call = fn      \
    }
#define ARGS(...)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static const struct func rows[] = {
    REGEX_ROWS("~", regex_match),
    REGEX_ROWS("!~", regex_not_match),
    REGEX_ROWS("~*", regex_imatch),
    REGEX_ROWS("!~*", regex_not_imatch),
    SCALAR2("regexp_like", T, T, B, "regexp_like_2", regexp_like),
    SCALAR3("regexp_like", T, T, T, B, "regexp_like_3", regexp_like),
    SCALAR1("similar_to_escape", T, T, "similar_to_escape_1", similar_to_escape),
    SCALAR2("similar_to_escape", T, T, T, "similar_to_escape_2", similar_to_escape),
    {.name = "similar_escape",
     .kind = FUNC_SCALAR,
     .nargs = 2,
     .args = {T, T},
     .result = T,
     .sqlite_name = "similar_escape",
     .call = similar_escape},
    SCALAR2("substring", T, T, T, "regex_substring", regex_substring),
    SCALAR3("substring", T, T, T, T, "similar_substring", similar_substring),
    SCALAR3("regexp_replace", T, T, T, T, "regexp_replace_3", regexp_replace),
    FUNC("regexp_replace", ARGS(T, T, T, T), T, regexp_replace, "4"),
    FUNC("regexp_replace", ARGS(T, T, T, I4), T, regexp_replace_from, "4"),
    FUNC("regexp_replace", ARGS(T, T, T, I4, I4), T, regexp_replace_from, "5"),
    FUNC("regexp_replace", ARGS(T, T, T, I4, I4, T), T, regexp_replace_from, "6"),
    SCALAR2("regexp_match", T, T, OID_TEXT_ARRAY, "regexp_match_2", regexp_match),
    SCALAR3("regexp_match", T, T, T, OID_TEXT_ARRAY, "regexp_match_3", regexp_match),
    SCALAR2("regexp_split_to_array", T, T, OID_TEXT_ARRAY, "regexp_split_to_array_2",
            regexp_split_to_array),
    SCALAR3("regexp_split_to_array", T, T, T, OID_TEXT_ARRAY, "regexp_split_to_array_3",
            regexp_split_to_array),
    SCALAR2("regexp_count", T, T, I4, "regexp_count_2", regexp_count),
    SCALAR3("regexp_count", T, T, I4, I4, "regexp_count_3", regexp_count),
    FUNC("regexp_count", ARGS(T, T, I4, T), I4, regexp_count, "4"),
    SCALAR2("regexp_instr", T, T, I4, "regexp_instr_2", regexp_instr),
    SCALAR3("regexp_instr", T, T, I4, I4, "regexp_instr_3", regexp_instr),
    FUNC("regexp_instr", ARGS(T, T, I4, I4), I4, regexp_instr, "4"),
    FUNC("regexp_instr", ARGS(T, T, I4, I4, I4), I4, regexp_instr, "5"),
    FUNC("regexp_instr", ARGS(T, T, I4, I4, I4, T), I4, regexp_instr, "6"),
    FUNC("regexp_instr", ARGS(T, T, I4, I4, I4, T, I4), I4, regexp_instr, "7"),
    SCALAR2("regexp_substr", T, T, T, "regexp_substr_2", regexp_substr),
    SCALAR3("regexp_substr", T, T, I4, T, "regexp_substr_3", regexp_substr),
    FUNC("regexp_substr", ARGS(T, T, I4, I4), T, regexp_substr, "4"),
    FUNC("regexp_substr", ARGS(T, T, I4, I4, T), T, regexp_substr, "5"),
    FUNC("regexp_substr", ARGS(T, T, I4, I4, T, I4), T, regexp_substr, "6"),
};

const struct func_rows types__regex_funcs = {rows, ARRAY_LEN(rows)};

static const struct set split_set = {1, NULL, regexp_split_to_table, types__set_list_next},
                        matches_set = {1, NULL, regexp_matches, types__set_list_next};

#define SET_FUNC(nm, n_, r, s)                                                                     \
    {                                                                                              \
        .name = nm, .kind = FUNC_SET, .nargs = n_, .args = {T, T, T}, .result = r, .strict = true, \
        .set = &s                                                                                  \
    }

static const struct func sets[] = {
    SET_FUNC("regexp_split_to_table", 2, T, split_set),
    SET_FUNC("regexp_split_to_table", 3, T, split_set),
    SET_FUNC("regexp_matches", 2, OID_TEXT_ARRAY, matches_set),
    SET_FUNC("regexp_matches", 3, OID_TEXT_ARRAY, matches_set),
};

const struct func_rows types__regex_sets = {sets, ARRAY_LEN(sets)};
