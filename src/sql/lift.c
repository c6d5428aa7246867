/*
 * Literals -> parameters, for a cache of statements keyed by their text.
 *
 * One pass over the tokens copies the text with each literal replaced by $n and each gap by one
 * blank. A literal is lifted only where it surely is an expression of its own: after an operator,
 * an opening parenthesis, a comma, or one of a few keywords. It stays in place
 * - in ORDER BY, where an integer is the position of a column;
 * - in a type: varchar(10), date '2020-01-01', 5::text;
 * and the whole statement is left alone where equal literals must stay equal (GROUP BY, DISTINCT
 * ON), or has parameters of its own, or a token that this scanner only half understands.
 *
 * The kind of each literal is part of the key, so that 1 and 1.0 and '1' are different statements,
 * typed as PostgreSQL types them.
 */
#include "lex.h"
#include "sql/sql.h"

#include <errno.h>
#include <strings.h>

struct lifter {
    struct lifted *out;
    const char *original, *end;
    char *at, *limit;          /* where the text goes on, in out->key */
    struct token before, last; /* the two tokens that were copied last */
    int depth;
    int keep_depth; /* literals stay where depth >= this; -1: nowhere */
    bool by_order;  /* keep_depth was set by ORDER BY, and ends with its clause */
    char *minus;    /* where an unary minus was copied to, directly before; or NULL */
};

static bool is_any(const struct token *t, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (sql__is_word(t, words[i]))
            return true;
    }
    return false;
}

/* May an expression begin after this token? */
static bool opens_expression(const struct token *t)
{
    static const char *const words[] = {"where", "and",    "values", "select",    "or",   "between",
                                        "limit", "offset", "like",   "ilike",     "then", "else",
                                        "when",  "not",    "on",     "returning", "case", "having"};
    if (t->kind == TOKEN_OPERATOR)
        return true;
    if (t->kind == TOKEN_PUNCTUATION)
        return *t->start == '(' || *t->start == ',';
    return t->kind == TOKEN_WORD && is_any(t, words, ARRAY_LEN(words));
}

static bool is_punctuation(const struct token *t, char c)
{
    return t->kind == TOKEN_PUNCTUATION && t->len == 1 && *t->start == c;
}

static bool is_cast(const struct token *t)
{
    return t->kind == TOKEN_PUNCTUATION && t->len == 2;
}

static bool put(struct lifter *l, const char *text, size_t len)
{
    if ((size_t)(l->limit - l->at) < len)
        return false;
    memcpy(l->at, text, len);
    l->at += len;
    return true;
}

/* ---- literals
 * --------------------------------------------------------------------------------------------- */

/* 2147483648 is a bigint, -2147483648 an integer, - -2147483648 a bigint: PostgreSQL's grammar
 * joins sign and number first. The like for 2^63. */
static bool is_limit(const struct token *t)
{
    return t->kind == TOKEN_NUMBER && t->integer &&
           ((t->len == 10 && memcmp(t->start, "2147483648", 10) == 0) ||
            (t->len == 19 && memcmp(t->start, "9223372036854775808", 19) == 0));
}

static void integer_value(const struct token *t, struct lifted_literal *v)
{
    uint64_t i = 0;
    uint64_t limit = v->negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    v->kind = LIFT_NUMERIC;
    for (size_t k = 0; k < t->len; k++) {
        uint64_t digit = (uint64_t)(t->start[k] - '0');
        if (i > (limit - digit) / 10)
            return; /* more than an int8 holds */
        i = i * 10 + digit;
    }
    v->integer = v->negative ? (int64_t)(0 - i) : (int64_t)i;
    v->kind = v->integer >= INT32_MIN && v->integer <= INT32_MAX ? LIFT_INT4 : LIFT_INT8;
}

static bool put_parameter(struct lifter *l)
{
    char text[4];
    int n = l->out->n; /* after counting this one */
    size_t len = 0;
    text[len++] = '$';
    if (n >= 10)
        text[len++] = (char)('0' + n / 10);
    text[len++] = (char)('0' + n % 10);
    return put(l, text, len);
}

static bool lift(struct lifter *l, const struct token *t)
{
    if (l->out->n == LIFT_MAX_LITERALS || is_limit(t))
        return false;
    struct lifted_literal *v = &l->out->literals[l->out->n++];
    *v = (struct lifted_literal){.offset = (int)(t->start - l->original)};
    if (t->kind == TOKEN_STRING) {
        v->kind = LIFT_STRING;
        v->text = t->start + 1;
        v->len = t->len - 2;
        v->doubled = t->doubled;
        return put_parameter(l);
    }
    v->negative = l->minus != NULL;
    if (l->minus)
        l->at = l->minus;
    v->text = t->start;
    v->len = t->len;
    if (t->integer)
        integer_value(t, v);
    else
        v->kind = LIFT_NUMERIC;
    return put_parameter(l);
}

static bool may_lift(const struct lifter *l, const char *next)
{
    struct token after;
    if (l->keep_depth >= 0 && l->depth >= l->keep_depth)
        return false;
    if (!l->minus && !opens_expression(&l->last))
        return false;
    sql__lex(next, l->end, &after);
    return !is_cast(&after) && !is_punctuation(&after, '[') && !is_punctuation(&after, '.');
}

/* ---- words and punctuation
 * ---------------------------------------------------------------------------------- */

/* False: leave the whole statement alone. */
static bool word(struct lifter *l, const struct token *t)
{
    static const char *const ends_order[] = {"limit", "offset", "fetch",  "for",
                                             "union", "except", "window", "having",
                                             "rows",  "range",  "groups", "intersect"};
    switch (*t->start | 0x20) {
    case 'g':
        if (sql__is_word(t, "group") || sql__is_word(t, "grouping"))
            return false;
        break;
    case 'o':
        if (sql__is_word(t, "on") && sql__is_word(&l->last, "distinct"))
            return false;
        break;
    case 'n':
    case 's':
    case 'c': /* a sequence is looked up when the statement is analysed */
        if (t->len < 6 || t->len > 7)
            break;
        if (sql__is_word(t, "nextval") || sql__is_word(t, "setval") || sql__is_word(t, "currval"))
            return false;
        break;
    case 'b':
        if (sql__is_word(t, "by") && l->keep_depth < 0) {
            l->keep_depth = l->depth;
            l->by_order = true;
        }
        return true;
    default:
        break;
    }
    if (l->by_order && l->depth == l->keep_depth && is_any(t, ends_order, ARRAY_LEN(ends_order))) {
        l->keep_depth = -1;
        l->by_order = false;
    }
    return true;
}

/* Does the parenthesis after these two tokens hold a type's modifiers? */
static bool opens_modifiers(const struct lifter *l)
{
    static const char *const types[] = {"varchar",     "char",   "character", "varying",  "numeric",
                                        "decimal",     "dec",    "bpchar",    "bit",      "float",
                                        "time",        "second", "timestamp", "interval", "nchar",
                                        "timestamptz", "timetz", "varbit"};
    if (l->last.kind != TOKEN_WORD)
        return l->last.kind == TOKEN_QUOTED && is_cast(&l->before);
    return is_cast(&l->before) || is_any(&l->last, types, ARRAY_LEN(types));
}

static void punctuation(struct lifter *l, const struct token *t)
{
    if (*t->start == '(') {
        l->depth++;
        if (l->keep_depth < 0 && opens_modifiers(l)) {
            l->keep_depth = l->depth;
            l->by_order = false;
        }
    } else if (*t->start == ')') {
        l->depth--;
        if (l->depth < l->keep_depth) {
            l->keep_depth = -1;
            l->by_order = false;
        }
    }
}

/* ---- the pass
 * ---------------------------------------------------------------------------------------------------
 */

static bool token(struct lifter *l, const struct token *t, const char *next, bool gap)
{
    char *place = l->at;
    bool literal = t->kind == TOKEN_NUMBER || t->kind == TOKEN_STRING;
    if (gap && !put(l, " ", 1))
        return false;
    if (literal && may_lift(l, next) && (t->kind == TOKEN_NUMBER || !l->minus)) {
        if (!lift(l, t))
            return false;
        l->minus = NULL;
        return true;
    }
    l->minus = NULL;
    if (t->kind == TOKEN_OPERATOR && t->len == 1 && *t->start == '-' && opens_expression(&l->last))
        l->minus = gap ? place + 1 : place;
    if (t->kind == TOKEN_WORD && !word(l, t))
        return false;
    if (t->kind == TOKEN_PUNCTUATION)
        punctuation(l, t);
    return put(l, t->start, t->len);
}

static bool starts_query(const struct token *t)
{
    static const char *const words[] = {"select", "insert", "update", "delete", "with"};
    return is_any(t, words, ARRAY_LEN(words));
}

static bool copy_tokens(struct lifter *l)
{
    const char *p = l->original, *next;
    struct token t;
    bool ended = false;
    for (;; p = next) {
        next = sql__lex(p, l->end, &t);
        if (t.kind == TOKEN_END)
            return l->last.kind != TOKEN_END;
        if (t.kind == TOKEN_BAD || t.kind == TOKEN_OTHER || t.kind == TOKEN_PARAM || ended)
            return false;
        if (l->last.kind == TOKEN_END && !starts_query(&t))
            return false;
        if (is_punctuation(&t, ';')) {
            ended = true; /* only the end of the text may follow */
            continue;
        }
        if (!token(l, &t, next, t.start != p && l->last.kind != TOKEN_END))
            return false;
        l->before = l->last;
        l->last = t;
    }
}

bool sql_lift(const char *text, size_t len, struct lifted *out)
{
    /* the kinds go in front of the text when their number is known: room is left for them */
    char *body = out->key + LIFT_MAX_LITERALS + 1;
    struct lifter l = {.out = out,
                       .original = text,
                       .end = text + len,
                       .at = body,
                       .limit = out->key + LIFT_MAX_TEXT,
                       .keep_depth = -1,
                       .last = {.kind = TOKEN_END},
                       .before = {.kind = TOKEN_END}};
    out->n = 0;
    if (len > LIFT_MAX_TEXT - LIFT_MAX_LITERALS || text[len] != 0 || !copy_tokens(&l))
        return false;
    *l.at = 0;
    size_t n = (size_t)out->n;
    char *key = body - n - 1;
    for (size_t i = 0; i < n; i++)
        key[i] = out->literals[i].kind;
    key[n] = ' ';
    out->key_len = (size_t)(l.at - key);
    memmove(out->key, key, out->key_len + 1);
    out->text = out->key + n + 1;
    return true;
}

uint32_t sql_lifted_type(char kind)
{
    switch (kind) {
    case LIFT_INT4:
        return OID_INT4;
    case LIFT_INT8:
        return OID_INT8;
    case LIFT_NUMERIC:
        return OID_NUMERIC;
    default:
        return OID_UNKNOWN;
    }
}

const char *lift_text(const struct lifted_literal *l, struct arena *arena, size_t *ret_len)
{
    if (!l->doubled && !l->negative) {
        *ret_len = l->len;
        return l->text;
    }
    char *out = arena_alloc(arena, l->len + 2), *p = out;
    if (l->negative)
        *p++ = '-';
    for (size_t i = 0; i < l->len; i++) {
        *p++ = l->text[i];
        if (l->doubled && l->text[i] == '\'')
            i++;
    }
    *ret_len = (size_t)(p - out);
    return out;
}
