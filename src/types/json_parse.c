/*
 * JSON text -> a tree, and back. The lexer cuts tokens as PostgreSQL's does, since its messages
 * quote them: a word, a number with all that sticks to it, a string up to where it went wrong.
 */
#include "types/json.h"

enum token {
    T_END,
    T_STRING,
    T_NUMBER,
    T_TRUE,
    T_FALSE,
    T_NULL,
    T_COMMA,
    T_COLON,
    T_OPEN_ARRAY,
    T_CLOSE_ARRAY,
    T_OPEN_OBJECT,
    T_CLOSE_OBJECT,
};

struct lexer {
    const char *p, *end;
    const char *start; /* of the token; p is its end */
    enum token token;
    enum json_how how;
    struct value text; /* of a string */
    bool ended;        /* an escape went on behind the end */
    struct arena *arena;
    int depth;
};

/* ---- errors ------------------------------------------------------------------------------------
 */

static struct error *invalid(const char *detail, ...) PRINTF_LIKE(1, 2);

static struct error *invalid(const char *detail, ...)
{
    _cleanup_(buf_done) struct buf text = {0};
    va_list ap;
    va_start(ap, detail);
    buf_vprintf(&text, detail, ap);
    va_end(ap);
    return error_detail(error_new(E_BAD_TEXT, "invalid input syntax for type json"), "%s",
                        text.data);
}

static int token_length(const struct lexer *l)
{
    return (int)MIN((size_t)(l->p - l->start), 100000);
}

static struct error *bad_token(const struct lexer *l)
{
    return invalid("Token \"%.*s\" is invalid.", token_length(l), l->start);
}

/* `expected`: what would have fitted instead of the token. */
static struct error *unexpected(const struct lexer *l, const char *expected)
{
    if (l->token == T_END)
        return invalid("The input string ended unexpectedly.");
    return invalid("Expected %s, but found \"%.*s\".", expected, token_length(l), l->start);
}

/* ---- strings -----------------------------------------------------------------------------------
 */

static bool hex4(struct lexer *l, const char *p, uint32_t *ret)
{
    *ret = 0;
    for (int i = 0; i < 4; i++, p++) {
        l->p = p;
        l->ended = p == l->end;
        if (l->ended)
            return false;
        char c = *p;
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0) {
            l->p = p + types__utf8_prefix(p, (size_t)(l->end - p), 1);
            return false;
        }
        *ret = *ret << 4 | (uint32_t)d;
    }
    return true;
}

static struct error *lone_low(void)
{
    return invalid("Unicode low surrogate must follow a high surrogate.");
}

/* \uXXXX; *high is the high surrogate that waits for its other half, or 0. */
static struct error *unicode_escape(struct lexer *l, const char *p, uint32_t *high, struct buf *out)
{
    uint32_t c;
    if (!hex4(l, p, &c))
        return l->ended ? bad_token(l)
                        : invalid("\"\\u\" must be followed by four hexadecimal digits.");
    if (l->how == JSON_CHECK)
        return NULL;
    if (c >= 0xd800 && c <= 0xdbff) {
        if (*high)
            return invalid("Unicode high surrogate must not follow a high surrogate.");
        *high = c;
        return NULL;
    }
    bool low = c >= 0xdc00 && c <= 0xdfff;
    if (low != (*high != 0))
        return lone_low();
    if (low)
        c = 0x10000 + ((*high & 0x3ff) << 10) + (c & 0x3ff);
    *high = 0;
    if (c == 0)
        return error_detail(error_new("22P05", "unsupported Unicode escape sequence"),
                            "\\u0000 cannot be converted to text.");
    types__utf8_encode(c, out);
    return NULL;
}

static struct error *simple_escape(struct lexer *l, const char *p, struct buf *out)
{
    static const char letters[] = "\"\\/bfnrt", characters[] = "\"\\/\b\f\n\r\t";
    const char *known = *p ? strchr(letters, *p) : NULL;
    if (!known) {
        size_t n = types__utf8_prefix(p, (size_t)(l->end - p), 1);
        return invalid("Escape sequence \"\\%.*s\" is invalid.", (int)n, p);
    }
    buf_append(out, &characters[known - letters], 1);
    return NULL;
}

/* l->p is behind the opening quote. A string without escapes is not copied. */
static struct error *string_token(struct lexer *l)
{
    _cleanup_(buf_done) struct buf out = {0};
    const char *from = l->p, *p = from;
    uint32_t high = 0;
    bool escapes = false;
    for (; p < l->end && *p != '"'; p++) {
        if ((unsigned char)*p < 32) {
            l->p = p;
            return invalid("Character with value 0x%02x must be escaped.", (unsigned char)*p);
        }
        bool unicode = *p == '\\' && p + 1 < l->end && p[1] == 'u';
        if (high && !unicode)
            return lone_low();
        if (*p != '\\') {
            if (escapes)
                buf_append(&out, p, 1);
            continue;
        }
        if (!escapes)
            buf_append(&out, from, (size_t)(p - from));
        escapes = true;
        if (++p == l->end)
            break;
        TRY(unicode ? unicode_escape(l, p + 1, &high, &out) : simple_escape(l, p, &out));
        p += unicode ? 4 : 0;
    }
    l->p = p;
    if (p == l->end)
        return bad_token(l);
    if (high)
        return lone_low();
    l->p++;
    l->token = T_STRING;
    l->text = escapes ? types__text_of(l->arena, &out) : value_text(from, (size_t)(p - from));
    return NULL;
}

/* ---- tokens ------------------------------------------------------------------------------------
 */

static bool is_digit(const struct lexer *l)
{
    return l->p < l->end && *l->p >= '0' && *l->p <= '9';
}

static bool is_word(const struct lexer *l)
{
    if (l->p == l->end)
        return false;
    unsigned char c = (unsigned char)*l->p;
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c >= 128;
}

static bool digits(struct lexer *l)
{
    bool any = is_digit(l);
    while (is_digit(l))
        l->p++;
    return any;
}

static bool at(const struct lexer *l, const char *set)
{
    return l->p < l->end && *l->p && strchr(set, *l->p);
}

static struct error *number_token(struct lexer *l)
{
    bool ok = true;
    if (*l->p == '-')
        l->p++;
    if (at(l, "0"))
        l->p++;
    else
        ok = digits(l);
    if (at(l, ".")) {
        l->p++;
        ok &= digits(l);
    }
    if (at(l, "eE")) {
        l->p++;
        if (at(l, "+-"))
            l->p++;
        ok &= digits(l);
    }
    for (; is_word(l); l->p++)
        ok = false;
    l->token = T_NUMBER;
    return ok ? NULL : bad_token(l);
}

static struct error *word_token(struct lexer *l)
{
    static const struct {
        const char *word;
        enum token token;
    } words[] = {{"true", T_TRUE}, {"false", T_FALSE}, {"null", T_NULL}};
    while (is_word(l))
        l->p++;
    size_t n = (size_t)(l->p - l->start);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strlen(words[i].word) == n && memcmp(words[i].word, l->start, n) == 0) {
            l->token = words[i].token;
            return NULL;
        }
    }
    if (n == 0)
        l->p++;
    return bad_token(l);
}

static struct error *next(struct lexer *l)
{
    static const char marks[] = ",:[]{}";
    static const enum token tokens[] = {T_COMMA,       T_COLON,       T_OPEN_ARRAY,
                                        T_CLOSE_ARRAY, T_OPEN_OBJECT, T_CLOSE_OBJECT};
    while (at(l, " \t\n\r"))
        l->p++;
    l->start = l->p;
    l->token = T_END;
    if (l->p == l->end)
        return NULL;
    char c = *l->p;
    const char *mark = c ? strchr(marks, c) : NULL;
    if (mark) {
        l->token = tokens[mark - marks];
        l->p++;
        return NULL;
    }
    if (c == '"') {
        l->p++;
        return string_token(l);
    }
    return c == '-' || is_digit(l) ? number_token(l) : word_token(l);
}

/* ---- the grammar -------------------------------------------------------------------------------
 */

static struct error *value(struct lexer *l, struct json *ret);

static struct error *enter(struct lexer *l)
{
    if (++l->depth > JSON_MAX_DEPTH)
        return error_hint(error_new("54001", "stack depth limit exceeded"),
                          "A JSON value may be nested %d levels deep.", JSON_MAX_DEPTH);
    return NULL;
}

/* Room for one more item (and key). Arrays double, what they leave behind is the arena's. */
static struct json *room(struct lexer *l, struct json *j, int *cap)
{
    if (j->n == *cap) {
        int grown = *cap ? *cap * 2 : 4;
        struct json *items = ARENA_ARRAY(l->arena, struct json, grown);
        if (j->n)
            memcpy(items, j->items, sizeof(*items) * (size_t)j->n);
        j->items = items;
        if (j->kind == JSON_OBJECT) {
            struct value *keys = ARENA_ARRAY(l->arena, struct value, grown);
            if (j->n)
                memcpy(keys, j->keys, sizeof(*keys) * (size_t)j->n);
            j->keys = keys;
        }
        *cap = grown;
    }
    return &j->items[j->n++];
}

static struct error *array(struct lexer *l, struct json *ret)
{
    int cap = 0;
    struct json ignored;
    ret->kind = JSON_ARRAY;
    TRY(enter(l));
    TRY(next(l));
    while (l->token != T_CLOSE_ARRAY) {
        TRY(value(l, l->how == JSON_CHECK ? &ignored : room(l, ret, &cap)));
        if (l->token == T_CLOSE_ARRAY)
            break;
        if (l->token != T_COMMA)
            return unexpected(l, "\",\" or \"]\"");
        TRY(next(l));
        if (l->token == T_CLOSE_ARRAY)
            return unexpected(l, "JSON value");
    }
    l->depth--;
    return NULL;
}

static struct error *member(struct lexer *l, struct json *object, int *cap)
{
    struct json ignored, *item = &ignored;
    if (l->how != JSON_CHECK) {
        item = room(l, object, cap);
        object->keys[object->n - 1] = l->text;
    }
    TRY(next(l));
    if (l->token != T_COLON)
        return unexpected(l, "\":\"");
    TRY(next(l));
    return value(l, item);
}

static struct error *object(struct lexer *l, struct json *ret)
{
    int cap = 0;
    ret->kind = JSON_OBJECT;
    TRY(enter(l));
    TRY(next(l));
    if (l->token != T_STRING && l->token != T_CLOSE_OBJECT)
        return unexpected(l, "string or \"}\"");
    while (l->token != T_CLOSE_OBJECT) {
        TRY(member(l, ret, &cap));
        if (l->token == T_CLOSE_OBJECT)
            break;
        if (l->token != T_COMMA)
            return unexpected(l, "\",\" or \"}\"");
        TRY(next(l));
        if (l->token != T_STRING)
            return unexpected(l, "string");
    }
    l->depth--;
    if (l->how == JSON_SORT)
        types__json_sort(ret, l->arena);
    return NULL;
}

static struct error *number(struct lexer *l, struct json *ret)
{
    size_t n = (size_t)(l->p - l->start);
    ret->kind = JSON_NUMBER;
    ret->text = value_text(l->start, n);
    if (l->how != JSON_SORT)
        return NULL;
    return types__numeric_parse(l->start, n, -1, l->arena, &ret->text);
}

/* The value that begins at the token; afterwards the token is the one behind it. */
static struct error *value(struct lexer *l, struct json *ret)
{
    const char *from = l->start;
    *ret = (struct json){0};
    switch (l->token) {
    case T_OPEN_ARRAY:
        TRY(array(l, ret));
        break;
    case T_OPEN_OBJECT:
        TRY(object(l, ret));
        break;
    case T_STRING:
        ret->kind = JSON_STRING;
        ret->text = l->text;
        break;
    case T_NUMBER:
        TRY(number(l, ret));
        break;
    case T_TRUE:
    case T_FALSE:
        ret->kind = JSON_BOOL;
        ret->truth = l->token == T_TRUE;
        break;
    case T_NULL:
        break;
    default:
        return unexpected(l, "JSON value");
    }
    ret->source = value_text(from, (size_t)(l->p - from));
    return next(l);
}

struct error *types__json_read(const struct value *text, enum json_how how, struct arena *a,
                               struct json *ret)
{
    struct lexer l = {.p = text->s.p, .end = text->s.p + text->s.n, .how = how, .arena = a};
    TRY(next(&l));
    TRY(value(&l, ret));
    return l.token == T_END ? NULL : unexpected(&l, "end of input");
}

/* ---- sorted objects ----------------------------------------------------------------------------
 */

struct member {
    struct value key, *keys;
    int at;
};

static int compare_keys(const struct value *x, const struct value *y)
{
    if (x->s.n != y->s.n)
        return x->s.n > y->s.n ? 1 : -1;
    return memcmp(x->s.p, y->s.p, x->s.n);
}

static int compare_members(const void *x, const void *y)
{
    const struct member *a = x, *b = y;
    int order = compare_keys(&a->key, &b->key);
    return order ? order : (a->at > b->at) - (a->at < b->at);
}

void types__json_sort(struct json *object, struct arena *a)
{
    bool sorted = true;
    for (int i = 1; i < object->n && sorted; i++)
        sorted = compare_keys(&object->keys[i - 1], &object->keys[i]) < 0;
    if (sorted)
        return;
    struct member *members = mem_alloc(sizeof(*members) * (size_t)object->n);
    for (int i = 0; i < object->n; i++)
        members[i] = (struct member){.key = object->keys[i], .at = i};
    qsort(members, (size_t)object->n, sizeof(*members), compare_members);
    struct json *items = ARENA_ARRAY(a, struct json, object->n);
    int n = 0;
    for (int i = 0; i < object->n; i++) {
        bool again = n && compare_keys(&object->keys[n - 1], &members[i].key) == 0;
        n += !again;
        items[n - 1] = object->items[members[i].at];
        object->keys[n - 1] = members[i].key;
    }
    mem_free(members);
    object->items = items;
    object->n = n;
}

struct json *types__json_member(const struct json *object, const char *key, size_t n)
{
    for (int i = object->n; i-- > 0;) {
        const struct value *k = &object->keys[i];
        if (k->s.n == n && memcmp(k->s.p, key, n) == 0)
            return &object->items[i];
    }
    return NULL;
}

const char *types__json_kind_name(enum json_kind kind)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",     [JSON_STRING] = "string",   [JSON_NUMBER] = "number",
        [JSON_BOOL] = "boolean",  [JSON_MOMENT] = "datetime", [JSON_ARRAY] = "array",
        [JSON_OBJECT] = "object",
    };
    return names[kind];
}

/* ---- order -------------------------------------------------------------------------------------
 */

static int compare_text(const struct value *x, const struct value *y)
{
    int order = memcmp(x->s.p, y->s.p, MIN(x->s.n, y->s.n));
    return order ? order : (x->s.n > y->s.n) - (x->s.n < y->s.n);
}

static int compare_values(const struct json *x, const struct json *y);

static int compare_containers(const struct json *x, const struct json *y)
{
    if (x->n != y->n)
        return x->n > y->n ? 1 : -1;
    for (int i = 0; i < x->n; i++) {
        int order = x->kind == JSON_OBJECT ? compare_text(&x->keys[i], &y->keys[i]) : 0;
        if (!order)
            order = compare_values(&x->items[i], &y->items[i]);
        if (order)
            return order;
    }
    return 0;
}

static int compare_values(const struct json *x, const struct json *y)
{
    if (x->kind != y->kind)
        return x->kind > y->kind ? 1 : -1;
    switch (x->kind) {
    case JSON_NULL:
        return 0;
    case JSON_STRING:
    case JSON_MOMENT:
        return compare_text(&x->text, &y->text);
    case JSON_NUMBER:
        return types__numeric_compare(&x->text, &y->text);
    case JSON_BOOL:
        return x->truth - y->truth;
    case JSON_ARRAY:
    case JSON_OBJECT:
        return compare_containers(x, y);
    }
    return 0;
}

/* PostgreSQL stores a scalar as an array of one item, which shows: an empty array is less than any
 * scalar. */
int types__json_compare(const struct json *x, const struct json *y)
{
    bool empty_x = x->kind == JSON_ARRAY && x->n == 0, empty_y = y->kind == JSON_ARRAY && y->n == 0;
    if (empty_x != empty_y && x->kind != JSON_OBJECT && y->kind != JSON_OBJECT &&
        (x->kind != y->kind))
        return empty_x ? -1 : 1;
    return compare_values(x, y);
}

bool types__json_equal(const struct json *x, const struct json *y)
{
    return compare_values(x, y) == 0;
}

/* ---- text --------------------------------------------------------------------------------------
 */

void types_json_quote(const char *s, size_t n, struct buf *out)
{
    static const char letters[] = "\"\\bfnrt", characters[] = "\"\\\b\f\n\r\t";
    buf_puts(out, "\"");
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        const char *known = c ? strchr(characters, c) : NULL;
        if (known)
            buf_printf(out, "\\%c", letters[known - characters]);
        else if (c < 32)
            buf_printf(out, "\\u%04x", c);
        else
            buf_append(out, &s[i], 1);
    }
    buf_puts(out, "\"");
}

void types__json_write(const struct json *j, struct buf *out)
{
    switch (j->kind) {
    case JSON_NULL:
        buf_puts(out, "null");
        break;
    case JSON_BOOL:
        buf_puts(out, j->truth ? "true" : "false");
        break;
    case JSON_NUMBER:
        buf_append(out, j->text.s.p, j->text.s.n);
        break;
    case JSON_STRING:
    case JSON_MOMENT:
        types_json_quote(j->text.s.p, j->text.s.n, out);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        buf_puts(out, j->kind == JSON_ARRAY ? "[" : "{");
        for (int i = 0; i < j->n; i++) {
            buf_puts(out, i ? ", " : "");
            if (j->kind == JSON_OBJECT) {
                types_json_quote(j->keys[i].s.p, j->keys[i].s.n, out);
                buf_puts(out, ": ");
            }
            types__json_write(&j->items[i], out);
        }
        buf_puts(out, j->kind == JSON_ARRAY ? "]" : "}");
        break;
    }
}

struct value types__json_text(const struct json *j, struct arena *a)
{
    _cleanup_(buf_done) struct buf out = {0};
    types__json_write(j, &out);
    return types__text_of(a, &out);
}
