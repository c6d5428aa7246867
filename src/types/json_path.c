/*
 * The language of SQL/JSON paths: text -> tree -> PostgreSQL's own spelling of it.
 *
 * Predicates (comparisons, logic) and expressions share one grammar here, by precedence; what may
 * not stand where is told by is_predicate().
 */
#include "types/json_path.h"
#include "types/regex.h"

#include <strings.h>

const char *const types__path_methods[] = {"type",  "size",    "double",   "abs",
                                           "floor", "ceiling", "datetime", "keyvalue"};
const char *const types__path_operators[] = {
    [PATH_OR] = "||",         [PATH_AND] = "&&",           [PATH_EQUAL] = "==",
    [PATH_NOT_EQUAL] = "!=",  [PATH_LESS] = "<",           [PATH_GREATER] = ">",
    [PATH_LESS_EQUAL] = "<=", [PATH_GREATER_EQUAL] = ">=", [PATH_STARTS] = "starts with",
    [PATH_ADD] = "+",         [PATH_SUBTRACT] = "-",       [PATH_MULTIPLY] = "*",
    [PATH_DIVIDE] = "/",      [PATH_MODULO] = "%",
};

/* ---- tokens
 * --------------------------------------------------------------------------------------- */

enum token { T_END, T_WORD, T_STRING, T_VARIABLE, T_NUMBER, T_MARK };

struct scanner {
    const char *p, *end;
    const char *start; /* of the token */
    enum token token;
    struct value text; /* of a word, string, variable, number */
    struct arena *arena;
    int depth;
};

static struct error *syntax_error(const struct scanner *s)
{
    if (s->token == T_END)
        return error_new(E_SYNTAX, "syntax error at end of jsonpath input");
    return error_new(E_SYNTAX, "syntax error at or near \"%.*s\" of jsonpath input",
                     (int)MIN(s->p - s->start, 1000), s->start);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_char(char c)
{
    return c && !strchr("?%$.[]{}()|&!=<>@#,*:-+/\"\\", c) && !is_blank(c) && c != '\v';
}

static bool skip_blanks(struct scanner *s)
{
    for (;;) {
        while (s->p < s->end && is_blank(*s->p))
            s->p++;
        if (s->end - s->p < 2 || s->p[0] != '/' || s->p[1] != '*')
            return true;
        const char *close = memmem(s->p + 2, (size_t)(s->end - s->p - 2), "*/", 2);
        if (!close)
            return false;
        s->p = close + 2;
    }
}

static int hex_value(char c)
{
    return is_digit(c) ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* \xHH, \uHHHH, \u{H..}: s->p is behind the letter. */
static bool hex_escape(struct scanner *s, char kind, uint32_t *ret)
{
    int n = kind == 'x' ? 2 : 4;
    bool braces = kind == 'u' && s->p < s->end && *s->p == '{';
    s->p += braces;
    *ret = 0;
    for (int i = 0; i < (braces ? 6 : n); i++) {
        int d = s->p < s->end ? hex_value(*s->p) : -1;
        if (d < 0) {
            if (!braces || i == 0)
                return false;
            break;
        }
        *ret = *ret << 4 | (uint32_t)d;
        s->p++;
    }
    if (!braces)
        return true;
    return s->p < s->end && *s->p++ == '}';
}

static struct error *bad_unicode(const char *message)
{
    return error_detail(error_new(E_BAD_TEXT, "invalid input syntax for type jsonpath"), "%s",
                        message);
}

static struct error *put_escape(struct scanner *s, uint32_t *high, struct buf *out)
{
    static const char letters[] = "bfnrtv", characters[] = "\b\f\n\r\t\v";
    char c = *s->p++;
    uint32_t code;
    const char *known = c ? strchr(letters, c) : NULL;
    if (c != 'x' && c != 'u') {
        buf_append(out, known ? &characters[known - letters] : &c, 1);
        return NULL;
    }
    if (!hex_escape(s, c, &code))
        return error_new(E_SYNTAX, "invalid %s escape sequence",
                         c == 'x' ? "hexadecimal character" : "Unicode");
    if (code >= 0xd800 && code <= 0xdbff) {
        if (*high)
            return bad_unicode("Unicode high surrogate must not follow a high surrogate.");
        *high = code;
        return NULL;
    }
    bool low = code >= 0xdc00 && code <= 0xdfff;
    if (low != (*high != 0))
        return bad_unicode("Unicode low surrogate must follow a high surrogate.");
    if (low)
        code = 0x10000 + ((*high & 0x3ff) << 10) + (code & 0x3ff);
    *high = 0;
    if (code == 0)
        return error_detail(error_new("22P05", "unsupported Unicode escape sequence"),
                            "\\u0000 cannot be converted to text.");
    types__utf8_encode(MIN(code, 0x10ffff), out);
    return NULL;
}

/* A quoted string, s->p behind the quote; or, with `quoted` false, a word that may have escapes. */
static struct error *text_token(struct scanner *s, bool quoted)
{
    _cleanup_(buf_done) struct buf out = {0};
    uint32_t high = 0;
    while (s->p < s->end && (quoted ? *s->p != '"' : is_word_char(*s->p) || *s->p == '\\')) {
        if (*s->p == '\\' && s->p + 1 < s->end) {
            s->p++;
            TRY(put_escape(s, &high, &out));
            continue;
        }
        if (high)
            return bad_unicode("Unicode low surrogate must follow a high surrogate.");
        buf_append(&out, s->p++, 1);
    }
    if (high)
        return bad_unicode("Unicode low surrogate must follow a high surrogate.");
    if (quoted && s->p == s->end)
        return error_new(E_SYNTAX, "unterminated quoted string at end of jsonpath input");
    s->p += quoted;
    if (quoted)
        s->start = s->p - 1; /* messages point at the end of what is quoted */
    s->text = types__text_of(s->arena, &out);
    return NULL;
}

static struct error *number_token(struct scanner *s)
{
    const char *p = s->p;
    bool whole = is_digit(*p);
    while (p < s->end && is_digit(*p))
        p++;
    if (p < s->end && *p == '.') {
        p++;
        while (p < s->end && is_digit(*p))
            p++;
    }
    if (p < s->end && (*p | 32) == 'e') {
        const char *e = p + 1;
        e += e < s->end && (*e == '+' || *e == '-');
        bool exponent = e < s->end && is_digit(*e);
        while (e < s->end && is_digit(*e))
            e++;
        p = exponent ? e : p;
    }
    s->text = value_text(s->p, (size_t)(p - s->p));
    s->token = T_NUMBER;
    s->p = p;
    if (p < s->end && is_word_char(*p)) {
        s->p++;
        return error_new(
            E_SYNTAX, "trailing junk after numeric literal at or near \"%.*s\" of jsonpath input",
            (int)(s->p - s->start), s->start);
    }
    bool leading_zero = whole && s->text.s.n > 1 && *s->text.s.p == '0' && is_digit(s->text.s.p[1]);
    return leading_zero
               ? error_new(
                     E_SYNTAX,
                     "trailing junk after numeric literal at or near \"%.*s\" of jsonpath input", 2,
                     s->start)
               : NULL;
}

static struct error *next(struct scanner *s)
{
    static const char *const doubles[] = {"&&", "||", "==", "!=", "<>", "<=", ">=", "**"};
    bool ok = skip_blanks(s);
    s->start = s->p;
    s->token = T_END;
    if (!ok)
        return error_new(E_SYNTAX, "unexpected end of comment at end of jsonpath input");
    if (s->p == s->end)
        return NULL;
    char c = *s->p;
    if (is_digit(c) || (c == '.' && s->p + 1 < s->end && is_digit(s->p[1])))
        return number_token(s);
    if (c == '"') {
        s->p++;
        s->token = T_STRING;
        return text_token(s, true);
    }
    bool quoted = c == '$' && s->p + 1 < s->end && s->p[1] == '"';
    if (quoted || (c == '$' && s->p + 1 < s->end && (is_word_char(s->p[1]) || s->p[1] == '\\'))) {
        s->p += quoted ? 2 : 1;
        s->token = T_VARIABLE;
        return text_token(s, quoted);
    }
    if (is_word_char(c) || c == '\\') {
        s->token = T_WORD;
        return text_token(s, false);
    }
    s->token = T_MARK;
    for (size_t i = 0; i < ARRAY_LEN(doubles); i++) {
        if (s->end - s->p >= 2 && memcmp(s->p, doubles[i], 2) == 0) {
            s->p += 2;
            return NULL;
        }
    }
    s->p++;
    return NULL;
}

static bool is_mark(const struct scanner *s, const char *mark)
{
    return s->token == T_MARK && (size_t)(s->p - s->start) == strlen(mark) &&
           memcmp(s->start, mark, strlen(mark)) == 0;
}

static bool is_word(const struct scanner *s, const char *word)
{
    size_t n = strlen(word);
    bool exact =
        strcmp(word, "true") == 0 || strcmp(word, "false") == 0 || strcmp(word, "null") == 0;
    return s->token == T_WORD && s->text.s.n == n && (size_t)(s->p - s->start) == n &&
           (exact ? memcmp(s->text.s.p, word, n) : strncasecmp(s->text.s.p, word, n)) == 0;
}

static struct error *expect(struct scanner *s, const char *mark)
{
    return is_mark(s, mark) ? next(s) : syntax_error(s);
}

/* ---- the grammar
 * ---------------------------------------------------------------------------------- */

static struct error *either(struct scanner *s, struct path **ret);
static struct error *sum(struct scanner *s, struct path **ret);

static struct path *node(struct scanner *s, enum path_kind kind, struct path *left,
                         struct path *right)
{
    struct path *p = ARENA_NEW(s->arena, struct path);
    p->kind = kind;
    p->left = left;
    p->right = right;
    return p;
}

/* Has it a truth, or a value? With an accessor behind it, it has a value. */
static bool is_predicate(const struct path *p)
{
    return !p->next &&
           ((p->kind >= PATH_OR && p->kind <= PATH_STARTS) || p->kind == PATH_LIKE ||
            p->kind == PATH_NOT || p->kind == PATH_IS_UNKNOWN || p->kind == PATH_EXISTS);
}

static struct error *need(const struct scanner *s, const struct path *p, bool predicate)
{
    return is_predicate(p) == predicate ? NULL : syntax_error(s);
}

static struct error *enter(struct scanner *s)
{
    return ++s->depth > PATH_MAX_DEPTH ? error_new("54001", "a jsonpath is nested too deeply")
                                       : NULL;
}

static struct error *literal(struct scanner *s, enum json_kind kind, struct path **ret)
{
    struct path *p = node(s, PATH_LITERAL, NULL, NULL);
    p->literal = (struct json){.kind = kind, .text = s->text};
    if (kind == JSON_BOOL)
        p->literal.truth = is_word(s, "true");
    if (kind == JSON_NUMBER)
        TRY(types__numeric_parse(s->text.s.p, s->text.s.n, -1, s->arena, &p->literal.text));
    *ret = p;
    return next(s);
}

static struct error *in_parentheses(struct scanner *s, struct path **ret)
{
    TRY(enter(s));
    TRY(next(s));
    TRY(either(s, ret));
    TRY(expect(s, ")"));
    s->depth--;
    if (!is_word(s, "is"))
        return NULL;
    TRY(need(s, *ret, true));
    TRY(next(s));
    if (!is_word(s, "unknown"))
        return syntax_error(s);
    *ret = node(s, PATH_IS_UNKNOWN, *ret, NULL);
    return next(s);
}

static struct error *exists(struct scanner *s, struct path **ret)
{
    TRY(next(s));
    TRY(expect(s, "("));
    TRY(enter(s));
    TRY(sum(s, ret));
    s->depth--;
    *ret = node(s, PATH_EXISTS, *ret, NULL);
    return expect(s, ")");
}

static struct error *primary(struct scanner *s, struct path **ret)
{
    if (is_mark(s, "("))
        return in_parentheses(s, ret);
    if (s->token == T_STRING || s->token == T_NUMBER)
        return literal(s, s->token == T_STRING ? JSON_STRING : JSON_NUMBER, ret);
    if (is_word(s, "true") || is_word(s, "false"))
        return literal(s, JSON_BOOL, ret);
    if (is_word(s, "null"))
        return literal(s, JSON_NULL, ret);
    if (is_word(s, "exists"))
        return exists(s, ret);
    if (s->token == T_VARIABLE) {
        *ret = node(s, PATH_VARIABLE, NULL, NULL);
        (*ret)->text = s->text;
        return next(s);
    }
    enum path_kind kind = is_mark(s, "$") ? PATH_ROOT : is_mark(s, "@") ? PATH_CURRENT : PATH_LAST;
    if (kind == PATH_LAST && !is_word(s, "last"))
        return syntax_error(s);
    *ret = node(s, kind, NULL, NULL);
    return next(s);
}

/* ---- accessors */

static struct error *level(struct scanner *s, int *ret)
{
    if (is_word(s, "last")) {
        *ret = PATH_DEEPEST;
        return next(s);
    }
    int64_t n = 0;
    if (s->token != T_NUMBER || memchr(s->text.s.p, '.', s->text.s.n))
        return syntax_error(s);
    TRY(types__int_parse(s->text.s.p, s->text.s.n, 4, &n));
    *ret = (int)n;
    return next(s);
}

static struct error *deep(struct scanner *s, struct path **ret)
{
    *ret = node(s, PATH_DEEP, NULL, NULL);
    (*ret)->last = PATH_DEEPEST;
    TRY(next(s));
    if (!is_mark(s, "{"))
        return NULL;
    TRY(next(s));
    TRY(level(s, &(*ret)->first));
    (*ret)->last = (*ret)->first;
    if (is_word(s, "to")) {
        TRY(next(s));
        TRY(level(s, &(*ret)->last));
    }
    return expect(s, "}");
}

static struct error *method(struct scanner *s, const struct value *name, struct path **ret)
{
    size_t i = 0, n = ARRAY_LEN(types__path_methods);
    while (i < n && (strlen(types__path_methods[i]) != name->s.n ||
                     strncasecmp(types__path_methods[i], name->s.p, name->s.n) != 0))
        i++;
    if (i == n)
        return syntax_error(s);
    *ret = node(s, PATH_METHOD, NULL, NULL);
    (*ret)->method = (enum path_method)i;
    TRY(next(s));
    if (i == METHOD_DATETIME && s->token == T_STRING) {
        (*ret)->text = s->text;
        TRY(next(s));
    }
    return expect(s, ")");
}

static struct error *member(struct scanner *s, struct path **ret)
{
    TRY(next(s));
    if (is_mark(s, "**"))
        return deep(s, ret);
    if (is_mark(s, "*")) {
        *ret = node(s, PATH_ANY_KEY, NULL, NULL);
        return next(s);
    }
    if (s->token != T_WORD && s->token != T_STRING)
        return syntax_error(s);
    struct value name = s->text;
    bool word = s->token == T_WORD;
    TRY(next(s));
    if (word && is_mark(s, "("))
        return method(s, &name, ret);
    *ret = node(s, PATH_KEY, NULL, NULL);
    (*ret)->text = name;
    return NULL;
}

static struct error *subscripts(struct scanner *s, struct path **ret)
{
    TRY(next(s));
    if (is_mark(s, "*")) {
        *ret = node(s, PATH_ANY_ITEM, NULL, NULL);
        TRY(next(s));
        return expect(s, "]");
    }
    *ret = node(s, PATH_INDEX, NULL, NULL);
    struct path **last = &(*ret)->left;
    TRY(enter(s));
    for (;;) {
        *last = node(s, PATH_RANGE, NULL, NULL);
        TRY(sum(s, &(*last)->left));
        if (is_word(s, "to")) {
            TRY(next(s));
            TRY(sum(s, &(*last)->right));
        }
        last = &(*last)->next;
        if (!is_mark(s, ","))
            break;
        TRY(next(s));
    }
    s->depth--;
    return expect(s, "]");
}

static struct error *filter(struct scanner *s, struct path **ret)
{
    struct path *condition;
    TRY(next(s));
    TRY(expect(s, "("));
    TRY(enter(s));
    TRY(either(s, &condition));
    s->depth--;
    TRY(need(s, condition, true));
    TRY(expect(s, ")"));
    *ret = node(s, PATH_FILTER, condition, NULL);
    return NULL;
}

static struct error *accessors(struct scanner *s, struct path **ret)
{
    TRY(primary(s, ret));
    struct path **end = &(*ret)->next;
    while (*end)
        end = &(*end)->next;
    for (;; end = &(*end)->next) {
        if (is_mark(s, "."))
            TRY(member(s, end));
        else if (is_mark(s, "["))
            TRY(subscripts(s, end));
        else if (is_mark(s, "?"))
            TRY(filter(s, end));
        else
            return NULL;
    }
}

/* ---- operators */

static bool is_number(const struct path *p)
{
    return p->kind == PATH_LITERAL && p->literal.kind == JSON_NUMBER && !p->next;
}

static struct error *negate(struct scanner *s, struct path *number)
{
    static const uint32_t type = OID_NUMERIC;
    const struct func *f;
    struct value v = number->literal.text;
    TRY(func_resolve("-", FUNC_OPERATOR, &type, 1, &f));
    return f->call(&v, 1, s->arena, &number->literal.text);
}

static struct error *unary(struct scanner *s, struct path **ret)
{
    bool minus = is_mark(s, "-"), not = is_mark(s, "!");
    if (!minus && !not &&!is_mark(s, "+"))
        return accessors(s, ret);
    TRY(enter(s));
    TRY(next(s));
    if (not &&!is_mark(s, "(") && !is_word(s, "exists"))
        return syntax_error(s);
    TRY(not ? primary(s, ret) : unary(s, ret));
    s->depth--;
    TRY(need(s, *ret, not ));
    if (!not &&is_number(*ret))
        return minus ? negate(s, *ret) : NULL;
    *ret = node(s, not ? PATH_NOT : minus ? PATH_MINUS : PATH_PLUS, *ret, NULL);
    return NULL;
}

static struct error *product(struct scanner *s, struct path **ret)
{
    struct path *right;
    TRY(unary(s, ret));
    while (is_mark(s, "*") || is_mark(s, "/") || is_mark(s, "%")) {
        enum path_kind kind = *s->start == '*'   ? PATH_MULTIPLY
                              : *s->start == '/' ? PATH_DIVIDE
                                                 : PATH_MODULO;
        TRY(need(s, *ret, false));
        TRY(next(s));
        TRY(unary(s, &right));
        TRY(need(s, right, false));
        *ret = node(s, kind, *ret, right);
    }
    return NULL;
}

static struct error *sum(struct scanner *s, struct path **ret)
{
    struct path *right;
    TRY(product(s, ret));
    while (is_mark(s, "+") || is_mark(s, "-")) {
        enum path_kind kind = *s->start == '+' ? PATH_ADD : PATH_SUBTRACT;
        TRY(need(s, *ret, false));
        TRY(next(s));
        TRY(product(s, &right));
        TRY(need(s, right, false));
        *ret = node(s, kind, *ret, right);
    }
    return NULL;
}

static struct error *like(struct scanner *s, struct path **ret)
{
    struct regex *compiled;
    int flags;
    struct path *p = node(s, PATH_LIKE, *ret, NULL);
    TRY(need(s, *ret, false));
    TRY(next(s));
    if (s->token != T_STRING)
        return syntax_error(s);
    p->text = s->text;
    TRY(next(s));
    if (is_word(s, "flag")) {
        TRY(next(s));
        if (s->token != T_STRING)
            return syntax_error(s);
        p->flags = s->text;
        TRY(next(s));
    }
    *ret = p;
    TRY(types__path_regex_flags(&p->flags, &flags));
    return types__regex_get(&p->text, flags, &compiled);
}

static struct error *starts(struct scanner *s, struct path **ret)
{
    struct path *right;
    TRY(need(s, *ret, false));
    TRY(next(s));
    if (!is_word(s, "with"))
        return syntax_error(s);
    TRY(next(s));
    if (s->token != T_STRING && s->token != T_VARIABLE)
        return syntax_error(s);
    TRY(primary(s, &right));
    *ret = node(s, PATH_STARTS, *ret, right);
    return NULL;
}

static enum path_kind comparison_kind(const struct scanner *s)
{
    for (enum path_kind k = PATH_EQUAL; k <= PATH_GREATER_EQUAL; k++) {
        if (is_mark(s, types__path_operators[k]))
            return k;
    }
    return is_mark(s, "<>") ? PATH_NOT_EQUAL : PATH_ROOT;
}

static struct error *comparison(struct scanner *s, struct path **ret)
{
    struct path *right;
    TRY(sum(s, ret));
    if (is_word(s, "like_regex"))
        return like(s, ret);
    if (is_word(s, "starts"))
        return starts(s, ret);
    enum path_kind kind = comparison_kind(s);
    if (kind == PATH_ROOT)
        return NULL;
    TRY(need(s, *ret, false));
    TRY(next(s));
    TRY(sum(s, &right));
    TRY(need(s, right, false));
    *ret = node(s, kind, *ret, right);
    return NULL;
}

static struct error *both(struct scanner *s, struct path **ret)
{
    struct path *right;
    TRY(comparison(s, ret));
    while (is_mark(s, "&&")) {
        TRY(need(s, *ret, true));
        TRY(next(s));
        TRY(comparison(s, &right));
        TRY(need(s, right, true));
        *ret = node(s, PATH_AND, *ret, right);
    }
    return NULL;
}

static struct error *either(struct scanner *s, struct path **ret)
{
    struct path *right;
    TRY(both(s, ret));
    while (is_mark(s, "||")) {
        TRY(need(s, *ret, true));
        TRY(next(s));
        TRY(both(s, &right));
        TRY(need(s, right, true));
        *ret = node(s, PATH_OR, *ret, right);
    }
    return NULL;
}

/* ---- where @ and last may stand
 * --------------------------------------------------------------------- */

static struct error *check(const struct path *p, bool in_filter, bool in_subscript)
{
    for (; p; p = p->next) {
        if (p->kind == PATH_CURRENT && !in_filter)
            return error_new(E_SYNTAX, "@ is not allowed in root expressions");
        if (p->kind == PATH_LAST && !in_subscript)
            return error_new(E_SYNTAX, "LAST is allowed only in array subscripts");
        if (p->left)
            TRY(check(p->left, in_filter || p->kind == PATH_FILTER,
                      in_subscript || p->kind == PATH_INDEX));
        if (p->right)
            TRY(check(p->right, in_filter, in_subscript));
    }
    return NULL;
}

struct error *types__path_read(const struct value *text, struct arena *a, bool *ret_strict,
                               struct path **ret)
{
    struct scanner s = {.p = text->s.p, .end = text->s.p + text->s.n, .arena = a};
    TRY(next(&s));
    if (s.token == T_END)
        return error_new(E_BAD_TEXT, "invalid input syntax for type jsonpath: \"%.*s\"",
                         (int)MIN(text->s.n, 1000), text->s.p);
    *ret_strict = is_word(&s, "strict");
    if (*ret_strict || is_word(&s, "lax"))
        TRY(next(&s));
    TRY(either(&s, ret));
    if (s.token != T_END)
        return syntax_error(&s);
    return check(*ret, false, false);
}

struct error *types__path_regex_flags(const struct value *flags, int *ret)
{
    bool dot_all = false, lines = false, literal_text = false;
    *ret = REGEX_ADVANCED;
    for (size_t i = 0; flags->kind == VALUE_TEXT && i < flags->s.n; i++) {
        switch (flags->s.p[i]) {
        case 'i':
            *ret |= REGEX_IGNORE_CASE;
            break;
        case 's':
            dot_all = true;
            break;
        case 'm':
            lines = true;
            break;
        case 'q':
            literal_text = true;
            break;
        case 'x':
            return error_new(E_UNSUPPORTED,
                             "XQuery \"x\" flag (expanded regular expressions) is not implemented");
        default:
            return error_detail(error_new(E_SYNTAX, "invalid input syntax for type jsonpath"),
                                "Unrecognized flag character \"%.*s\" in LIKE_REGEX predicate.",
                                (int)types__utf8_prefix(flags->s.p + i, flags->s.n - i, 1),
                                flags->s.p + i);
        }
    }
    if (literal_text)
        *ret = (*ret & ~REGEX_ADVANCED) | REGEX_LITERAL;
    else
        *ret |= (dot_all ? 0 : REGEX_NEWLINE_STOPS) | (lines ? REGEX_NEWLINE_ANCHORS : 0);
    return NULL;
}

/* ---- printing
 * --------------------------------------------------------------------------------------- */

static int priority(const struct path *p)
{
    switch (p->kind) {
    case PATH_OR:
        return 0;
    case PATH_AND:
        return 1;
    case PATH_ADD:
    case PATH_SUBTRACT:
        return 3;
    case PATH_MULTIPLY:
    case PATH_DIVIDE:
    case PATH_MODULO:
        return 4;
    case PATH_PLUS:
    case PATH_MINUS:
        return 5;
    default:
        return p->kind >= PATH_EQUAL && p->kind <= PATH_STARTS ? 2 : 6;
    }
}

static void print(const struct path *p, bool in_key, bool brackets, struct buf *out);

static void print_operand(const struct path *p, const struct path *operand, struct buf *out)
{
    print(operand, false, priority(operand) <= priority(p), out);
}

static void print_operator(const struct path *p, bool brackets, struct buf *out)
{
    buf_puts(out, brackets ? "(" : "");
    if (p->kind == PATH_PLUS || p->kind == PATH_MINUS) {
        buf_puts(out, p->kind == PATH_PLUS ? "+" : "-");
        print_operand(p, p->left, out);
    } else {
        print_operand(p, p->left, out);
        buf_printf(out, " %s ",
                   p->kind == PATH_LIKE ? "like_regex" : types__path_operators[p->kind]);
        if (p->kind != PATH_LIKE)
            print_operand(p, p->right, out);
        else
            types_json_quote(p->text.s.p, p->text.s.n, out);
    }
    if (p->kind == PATH_LIKE && p->flags.kind == VALUE_TEXT && p->flags.s.n) {
        buf_puts(out, " flag \"");
        for (const char *f = "ismxq"; *f; f++) {
            if (memchr(p->flags.s.p, *f, p->flags.s.n))
                buf_append(out, f, 1);
        }
        buf_puts(out, "\"");
    }
    buf_puts(out, brackets ? ")" : "");
}

static void print_level(int n, struct buf *out)
{
    if (n == PATH_DEEPEST)
        buf_puts(out, "last");
    else
        buf_printf(out, "%d", n);
}

static void print_deep(const struct path *p, struct buf *out)
{
    buf_puts(out, "**");
    if (p->first == 0 && p->last == PATH_DEEPEST)
        return;
    buf_puts(out, "{");
    print_level(p->first, out);
    if (p->first != p->last) {
        buf_puts(out, " to ");
        print_level(p->last, out);
    }
    buf_puts(out, "}");
}

static void print_index(const struct path *p, struct buf *out)
{
    buf_puts(out, "[");
    for (const struct path *r = p->left; r; r = r->next) {
        buf_puts(out, r == p->left ? "" : ",");
        print(r->left, false, false, out);
        if (r->right) {
            buf_puts(out, " to ");
            print(r->right, false, false, out);
        }
    }
    buf_puts(out, "]");
}

static void print_around(const char *before, const struct path *p, const char *after,
                         struct buf *out)
{
    buf_puts(out, before);
    print(p, false, false, out);
    buf_puts(out, after);
}

static void print_one(const struct path *p, bool in_key, bool brackets, struct buf *out)
{
    switch (p->kind) {
    case PATH_ROOT:
        buf_puts(out, "$");
        break;
    case PATH_CURRENT:
        buf_puts(out, "@");
        break;
    case PATH_LAST:
        buf_puts(out, "last");
        break;
    case PATH_VARIABLE:
        buf_puts(out, "$");
        types_json_quote(p->text.s.p, p->text.s.n, out);
        break;
    case PATH_LITERAL: {
        bool number = p->literal.kind == JSON_NUMBER && p->next;
        buf_puts(out, number ? "(" : "");
        types__json_write(&p->literal, out);
        buf_puts(out, number ? ")" : "");
        break;
    }
    case PATH_KEY:
        buf_puts(out, in_key ? "." : "");
        types_json_quote(p->text.s.p, p->text.s.n, out);
        break;
    case PATH_ANY_KEY:
        buf_puts(out, in_key ? ".*" : "*");
        break;
    case PATH_ANY_ITEM:
        buf_puts(out, "[*]");
        break;
    case PATH_INDEX:
        print_index(p, out);
        break;
    case PATH_DEEP:
        buf_puts(out, in_key ? "." : "");
        print_deep(p, out);
        break;
    case PATH_FILTER:
        print_around("?(", p->left, ")", out);
        break;
    case PATH_METHOD:
        buf_printf(out, ".%s(", types__path_methods[p->method]);
        if (p->text.kind == VALUE_TEXT)
            types_json_quote(p->text.s.p, p->text.s.n, out);
        buf_puts(out, ")");
        break;
    case PATH_NOT:
        print_around("!(", p->left, ")", out);
        break;
    case PATH_IS_UNKNOWN:
        print_around("(", p->left, ") is unknown", out);
        break;
    case PATH_EXISTS:
        print_around("exists (", p->left, ")", out);
        break;
    default:
        print_operator(p, brackets || p->next, out);
    }
}

static void print(const struct path *p, bool in_key, bool brackets, struct buf *out)
{
    for (; p; p = p->next) {
        print_one(p, in_key, brackets, out);
        in_key = brackets = true;
    }
}

void types__path_write(const struct path *p, bool strict, struct buf *out)
{
    buf_puts(out, strict ? "strict " : "");
    print(p, false, true, out);
}
