/*
 * A pattern -> parts and expressions. The grammar is that of PostgreSQL's manual, 9.7.3: advanced
 * regular expressions, and POSIX's extended ones (option e). Basic ones (option b) are refused.
 *
 * The tree of parts says how a match is divided among parentheses, and has the shape that Henry
 * Spencer's library gives it, since the shape decides which of several divisions is the match:
 * a branch is "what is plain so far", then the first piece that captures, refers, or prefers
 * another length than what is before it, then the rest, again as a branch.
 */
#include "types/regex.h"

#include <stdio.h>

enum token {
    T_END,
    T_CHAR, /* value: the character */
    T_ANY,  /* . */
    T_SET,  /* value: index of a set */
    T_OPEN, /* value: does it capture? */
    T_CLOSE,
    T_OR,
    T_LOOK, /* value: LOOK_BEHIND | LOOK_NEGATED */
    T_HERE, /* value: enum here */
    T_STAR, /* these: value 1 greedy, 0 not */
    T_PLUS,
    T_QUESTION,
    T_BRACE,
    T_BRACKET, /* value: negated? */
    T_REFER,   /* value: the group */
};
enum { LOOK_BEHIND = 1, LOOK_NEGATED = 2 };

struct parser {
    struct regex *re;
    const uint32_t *p, *end;
    int flags, depth, opened, cap_groups;
    struct part **groups; /* closed ones; NULL: still open */
    enum token token;
    uint32_t value;
    const char *error;
    bool unsupported;
};

static const char bad_escape[] = "invalid escape \\ sequence",
                  bad_repeat[] = "quantifier operand invalid",
                  bad_parens[] = "parentheses () not balanced",
                  bad_bound[] = "invalid repetition count(s)",
                  bad_braces[] = "braces {} not balanced",
                  bad_brackets[] = "brackets [] not balanced",
                  bad_range[] = "invalid character range", bad_class[] = "invalid character class",
                  bad_collating[] = "invalid collating element",
                  bad_refer[] = "invalid backreference number",
                  bad_option[] = "invalid embedded option",
                  bad_pattern[] = "invalid regexp (reg version 0.8)";

/* The first error counts; after it everything looks like the end of the pattern. */
static void *fail(struct parser *ps, const char *error)
{
    if (!ps->error)
        ps->error = error;
    ps->p = ps->end;
    ps->token = T_END;
    return NULL;
}

static void not_supported(struct parser *ps, const char *what)
{
    if (!ps->error)
        ps->unsupported = true;
    fail(ps, what);
}

/* ---- characters --------------------------------------------------------------------------------
 */

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_blank(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int hex_digit(uint32_t c)
{
    return is_digit(c)            ? (int)(c - '0')
           : c >= 'a' && c <= 'f' ? (int)(c - 'a') + 10
           : c >= 'A' && c <= 'F' ? (int)(c - 'A') + 10
                                  : -1;
}

/* ---- sets --------------------------------------------------------------------------------------
 */

static int new_set(struct regex *re)
{
    if (re->n_sets == re->cap_sets) {
        int cap = re->cap_sets ? re->cap_sets * 2 : 16;
        struct char_set *grown = ARENA_ARRAY(&re->arena, struct char_set, cap);
        if (re->n_sets)
            memcpy(grown, re->sets, sizeof(*grown) * (size_t)re->n_sets);
        re->sets = grown;
        re->cap_sets = cap;
    }
    return re->n_sets++;
}

static void put_range(struct regex *re, int set, uint32_t low, uint32_t high)
{
    struct char_set *s = &re->sets[set];
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 4;
        struct char_range *grown = ARENA_ARRAY(&re->arena, struct char_range, s->cap);
        if (s->n)
            memcpy(grown, s->ranges, sizeof(*grown) * (size_t)s->n);
        s->ranges = grown;
    }
    s->ranges[s->n++] = (struct char_range){low, high};
}

/* [low, high], and the other case of the letters in it. Case is ASCII's, as in collation C. */
static void add_range(struct parser *ps, int set, uint32_t low, uint32_t high)
{
    put_range(ps->re, set, low, high);
    if (!(ps->flags & REGEX_IGNORE_CASE))
        return;
    uint32_t l = MAX(low, 'a'), h = MIN(high, 'z');
    if (l <= h)
        put_range(ps->re, set, l - 32, h - 32);
    l = MAX(low, 'A'), h = MIN(high, 'Z');
    if (l <= h)
        put_range(ps->re, set, l + 32, h + 32);
}

static const struct {
    const char *name;
    struct char_range ranges[5];
} classes[] = {
    {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
    {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
    {"blank", {{' ', ' '}, {'\t', '\t'}}},
    {"cntrl", {{1, 31}, {127, 127}}},
    {"digit", {{'0', '9'}}},
    {"graph", {{33, 126}}},
    {"lower", {{'a', 'z'}}},
    {"print", {{32, 126}}},
    {"punct", {{33, 47}, {58, 64}, {91, 96}, {123, 126}}},
    {"space", {{'\t', '\r'}, {' ', ' '}}},
    {"upper", {{'A', 'Z'}}},
    {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
    {"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
};

static bool add_class(struct parser *ps, int set, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        if (strcmp(classes[i].name, name) != 0)
            continue;
        for (size_t r = 0; r < ARRAY_LEN(classes[i].ranges) && classes[i].ranges[r].high; r++)
            add_range(ps, set, classes[i].ranges[r].low, classes[i].ranges[r].high);
        return true;
    }
    return false;
}

/* Everything outside a class, as ranges. */
static void add_complement(struct parser *ps, int set, const char *name)
{
    uint32_t next = 0;
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        if (strcmp(classes[i].name, name) != 0)
            continue;
        for (size_t r = 0; r < ARRAY_LEN(classes[i].ranges) && classes[i].ranges[r].high; r++) {
            put_range(ps->re, set, next, classes[i].ranges[r].low - 1);
            next = classes[i].ranges[r].high + 1;
        }
    }
    put_range(ps->re, set, next, 0x10ffff);
}

static const char *class_of_letter(uint32_t c)
{
    switch (c | 32) {
    case 'd':
        return "digit";
    case 's':
        return "space";
    default:
        return "word";
    }
}

/* \d \s \w and their opposites */
static void add_shorthand(struct parser *ps, int set, uint32_t letter)
{
    if (letter & 32)
        add_class(ps, set, class_of_letter(letter));
    else
        add_complement(ps, set, class_of_letter(letter));
}

static int one_char_set(struct parser *ps, uint32_t c)
{
    int set = new_set(ps->re);
    add_range(ps, set, c, c);
    return set;
}

/* ---- escapes -----------------------------------------------------------------------------------
 */

enum escape { ESCAPE_CHAR, ESCAPE_CLASS, ESCAPE_HERE, ESCAPE_REFER, ESCAPE_BAD };

/* Up to `most` digits of a base; false: fewer than `least`. */
static bool digits(struct parser *ps, int base, int least, int most, uint32_t *ret)
{
    uint64_t n = 0;
    int len = 0;
    for (; ps->p < ps->end && len < most; len++, ps->p++) {
        int d = hex_digit(*ps->p);
        if (d < 0 || d >= base)
            break;
        n = MIN(n * (uint64_t)base + (uint64_t)d, UINT32_MAX);
    }
    *ret = (uint32_t)n;
    return len >= least;
}

static enum escape number_escape(struct parser *ps, uint32_t *ret)
{
    const uint32_t *start = --ps->p;
    if (*start != '0') {
        uint32_t number;
        digits(ps, 10, 1, 255, &number);
        if (ps->p == start + 1 || (number > 0 && number <= (uint32_t)ps->opened)) {
            *ret = number;
            return ESCAPE_REFER;
        }
        ps->p = start;
    }
    if (!digits(ps, 8, 1, 3, ret))
        return ESCAPE_BAD;
    if (*ret > 0xff) {
        ps->p--;
        *ret >>= 3;
    }
    return ESCAPE_CHAR;
}

/* The text behind a backslash. *ret: the character, the letter of the class, the place, the group.
 */
static enum escape escape(struct parser *ps, uint32_t *ret)
{
    static const struct {
        char letter, means;
    } characters[] = {{'a', 7},    {'b', 8},    {'B', '\\'}, {'e', 27},  {'f', '\f'},
                      {'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'v', '\v'}};
    static const struct {
        char letter;
        enum here here;
    } places[] = {{'A', HERE_TEXT_START}, {'Z', HERE_TEXT_END},  {'m', HERE_WORD_START},
                  {'M', HERE_WORD_END},   {'y', HERE_WORD_EDGE}, {'Y', HERE_NO_WORD_EDGE}};
    if (ps->p == ps->end)
        return ESCAPE_BAD;
    uint32_t c = *ps->p++;
    *ret = c;
    if (is_digit(c))
        return number_escape(ps, ret);
    if (!is_letter(c))
        return ESCAPE_CHAR;
    if (c < 128 && strchr("dswDSW", (int)c))
        return ESCAPE_CLASS;
    for (size_t i = 0; i < ARRAY_LEN(characters); i++) {
        if ((uint32_t)characters[i].letter == c) {
            *ret = (uint32_t)characters[i].means;
            return ESCAPE_CHAR;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if ((uint32_t)places[i].letter == c) {
            *ret = places[i].here;
            return ESCAPE_HERE;
        }
    }
    bool ok = false;
    if (c == 'c' && ps->p < ps->end) {
        *ret = *ps->p++ & 037;
        ok = true;
    } else if (c == 'u' || c == 'U') {
        ok = digits(ps, 16, c == 'u' ? 4 : 8, c == 'u' ? 4 : 8, ret);
    } else if (c == 'x') {
        ok = digits(ps, 16, 1, 255, ret);
    }
    return ok && *ret <= 0x7ffffffe ? ESCAPE_CHAR : ESCAPE_BAD;
}

/* ---- tokens ------------------------------------------------------------------------------------
 */

static void give(struct parser *ps, enum token token, uint32_t value)
{
    ps->token = token;
    ps->value = value;
}

static bool looking_at(const struct parser *ps, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(ps->end - ps->p) < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (ps->p[i] != (unsigned char)text[i])
            return false;
    }
    return true;
}

static void skip_blanks(struct parser *ps)
{
    while (ps->p < ps->end) {
        if (is_blank(*ps->p)) {
            ps->p++;
        } else if (*ps->p == '#') {
            while (ps->p < ps->end && *ps->p != '\n')
                ps->p++;
        } else {
            return;
        }
    }
}

/* ? behind a quantifier */
static uint32_t greedy(struct parser *ps)
{
    if (!(ps->flags & REGEX_ADVANCED) || ps->p == ps->end || *ps->p != '?')
        return 1;
    ps->p++;
    return 0;
}

static void backslash(struct parser *ps)
{
    uint32_t value;
    if (!(ps->flags & REGEX_ADVANCED)) {
        if (ps->p == ps->end)
            fail(ps, bad_escape);
        else
            give(ps, T_CHAR, *ps->p++);
        return;
    }
    switch (escape(ps, &value)) {
    case ESCAPE_CHAR:
        give(ps, T_CHAR, value);
        break;
    case ESCAPE_CLASS: {
        int set = new_set(ps->re);
        add_shorthand(ps, set, value);
        give(ps, T_SET, (uint32_t)set);
        break;
    }
    case ESCAPE_HERE:
        give(ps, T_HERE, value);
        break;
    case ESCAPE_REFER:
        give(ps, T_REFER, value);
        break;
    case ESCAPE_BAD:
        fail(ps, bad_escape);
    }
}

/* Behind "(?". False: it was a comment, go on. */
static bool special_paren(struct parser *ps)
{
    static const struct {
        const char *text;
        enum token token;
        uint32_t value;
    } forms[] = {{":", T_OPEN, 0},
                 {"=", T_LOOK, 0},
                 {"!", T_LOOK, LOOK_NEGATED},
                 {"<=", T_LOOK, LOOK_BEHIND},
                 {"<!", T_LOOK, LOOK_BEHIND | LOOK_NEGATED}};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (looking_at(ps, forms[i].text)) {
            ps->p += strlen(forms[i].text);
            give(ps, forms[i].token, forms[i].value);
            return true;
        }
    }
    if (ps->p == ps->end || *ps->p != '#') {
        fail(ps, bad_repeat);
        return true;
    }
    while (ps->p < ps->end && *ps->p != ')')
        ps->p++;
    if (ps->p < ps->end)
        ps->p++;
    return false;
}

static void bracket_token(struct parser *ps)
{
    if (looking_at(ps, "[:<:]]") || looking_at(ps, "[:>:]]")) {
        give(ps, T_HERE, ps->p[2] == '<' ? HERE_WORD_START : HERE_WORD_END);
        ps->p += 6;
        return;
    }
    bool negated = ps->p < ps->end && *ps->p == '^';
    ps->p += negated;
    give(ps, T_BRACKET, negated);
}

static void brace_token(struct parser *ps)
{
    if (ps->flags & REGEX_EXPANDED)
        skip_blanks(ps);
    if (ps->p < ps->end && is_digit(*ps->p))
        give(ps, T_BRACE, 0);
    else
        give(ps, T_CHAR, '{');
}

static void next(struct parser *ps)
{
    if (ps->error)
        return;
    for (;;) {
        if (ps->flags & REGEX_EXPANDED)
            skip_blanks(ps);
        if (ps->p == ps->end) {
            give(ps, T_END, 0);
            return;
        }
        uint32_t c = *ps->p++;
        if (ps->flags & REGEX_LITERAL) {
            give(ps, T_CHAR, c);
            return;
        }
        switch (c) {
        case '|':
            give(ps, T_OR, 0);
            return;
        case '*':
            give(ps, T_STAR, greedy(ps));
            return;
        case '+':
            give(ps, T_PLUS, greedy(ps));
            return;
        case '?':
            give(ps, T_QUESTION, greedy(ps));
            return;
        case '{':
            brace_token(ps);
            return;
        case '(':
            if (!(ps->flags & REGEX_ADVANCED) || ps->p == ps->end || *ps->p != '?') {
                give(ps, T_OPEN, 1);
                return;
            }
            ps->p++;
            if (special_paren(ps))
                return;
            continue;
        case ')':
            give(ps, T_CLOSE, 0);
            return;
        case '[':
            bracket_token(ps);
            return;
        case '.':
            give(ps, T_ANY, 0);
            return;
        case '^':
            give(ps, T_HERE, ps->flags & REGEX_NEWLINE_ANCHORS ? HERE_LINE_START : HERE_TEXT_START);
            return;
        case '$':
            give(ps, T_HERE, ps->flags & REGEX_NEWLINE_ANCHORS ? HERE_LINE_END : HERE_TEXT_END);
            return;
        case '\\':
            backslash(ps);
            return;
        default:
            give(ps, T_CHAR, c);
            return;
        }
    }
}

/* ---- brackets ----------------------------------------------------------------------------------
 */

/* [:name:], [.x.] and [=x=]: what is between. ps->p is behind "[:". */
static bool bracket_name(struct parser *ps, char kind, const uint32_t **ret, int *ret_n)
{
    *ret = ps->p;
    for (; ps->p + 1 < ps->end; ps->p++) {
        if (*ps->p == (uint32_t)kind && ps->p[1] == ']') {
            *ret_n = (int)(ps->p - *ret);
            ps->p += 2;
            return true;
        }
    }
    fail(ps, bad_brackets);
    return false;
}

static void bracket_class(struct parser *ps, int set)
{
    const uint32_t *name;
    int n;
    char text[16];
    if (!bracket_name(ps, ':', &name, &n))
        return;
    if (n == 0 || n >= (int)sizeof(text)) {
        fail(ps, bad_class);
        return;
    }
    for (int i = 0; i < n; i++)
        text[i] = name[i] < 128 ? (char)name[i] : '?';
    text[n] = 0;
    if (!add_class(ps, set, text))
        fail(ps, bad_class);
}

static bool collating(struct parser *ps, char kind, uint32_t *ret)
{
    const uint32_t *name;
    int n;
    if (!bracket_name(ps, kind, &name, &n))
        return false;
    if (n != 1) {
        bool word = n > 0;
        for (int i = 0; i < n; i++)
            word &= is_letter(name[i]) || is_digit(name[i]) || name[i] == '-';
        if (!word)
            fail(ps, bad_collating);
        else
            not_supported(ps, "names of collating elements");
        return false;
    }
    *ret = *name;
    return true;
}

/* One end of a range. False: it was a class, which is in the set already, or an error. */
static bool bracket_element(struct parser *ps, int set, bool is_end, uint32_t *ret)
{
    uint32_t c = *ps->p++;
    if (c == '[' && ps->p < ps->end && (*ps->p == '.' || *ps->p == '=' || *ps->p == ':')) {
        char kind = (char)*ps->p++;
        if (kind == '.')
            return collating(ps, kind, ret);
        if (is_end)
            fail(ps, bad_range);
        else if (kind == ':')
            bracket_class(ps, set);
        else if (collating(ps, kind, ret))
            add_range(ps, set, *ret, *ret);
        return false;
    }
    if (c == '\\' && (ps->flags & REGEX_ADVANCED)) {
        enum escape kind = escape(ps, &c);
        if (kind == ESCAPE_CLASS && is_end) {
            fail(ps, bad_range);
            return false;
        }
        if (kind == ESCAPE_CLASS) {
            add_shorthand(ps, set, c);
            return false;
        }
        if (kind != ESCAPE_CHAR) {
            fail(ps, bad_escape);
            return false;
        }
    }
    *ret = c;
    return true;
}

static void bracket_part(struct parser *ps, int set, bool is_first)
{
    uint32_t low, high;
    bool dash = *ps->p == '-' && !is_first && ps->p + 1 < ps->end && ps->p[1] != ']';
    if (dash) { /* a-c-e */
        fail(ps, bad_range);
        return;
    }
    if (!bracket_element(ps, set, false, &low))
        return;
    high = low;
    if (ps->p + 1 < ps->end && *ps->p == '-' && ps->p[1] != ']') {
        ps->p++;
        if (!bracket_element(ps, set, true, &high))
            return;
    }
    if (low > high) /* PostgreSQL has read on by then */
        fail(ps, ps->p == ps->end ? bad_brackets : bad_range);
    else
        add_range(ps, set, low, high);
}

/* Behind "[" or "[^". */
static int bracket(struct parser *ps)
{
    int set = new_set(ps->re);
    ps->re->sets[set].negated = ps->value;
    if (ps->value && (ps->flags & REGEX_NEWLINE_STOPS))
        put_range(ps->re, set, '\n', '\n');
    for (bool first = true; !ps->error; first = false) {
        if (ps->p == ps->end) {
            fail(ps, bad_brackets);
        } else if (*ps->p == ']' && !first) {
            ps->p++;
            break;
        } else {
            bracket_part(ps, set, first);
        }
    }
    return set;
}

/* ---- expressions -------------------------------------------------------------------------------
 */

static struct node *new_node(struct parser *ps, enum node_kind kind)
{
    struct node *n = ARENA_NEW(&ps->re->arena, struct node);
    n->kind = kind;
    return n;
}

static const struct node *pair(struct parser *ps, enum node_kind kind, const struct node *a,
                               const struct node *b)
{
    if (kind == NODE_SEQUENCE && (a->kind == NODE_EMPTY || b->kind == NODE_EMPTY))
        return a->kind == NODE_EMPTY ? b : a;
    struct node *n = new_node(ps, kind);
    n->a = a;
    n->b = b;
    return n;
}

static const struct node *repeated(struct parser *ps, const struct node *a, int min, int max)
{
    if (min == 1 && max == 1)
        return a;
    struct node *n = new_node(ps, NODE_REPEAT);
    n->a = a;
    n->min = min;
    n->max = max;
    return n;
}

static const struct node *set_node(struct parser *ps, int set)
{
    struct node *n = new_node(ps, NODE_SET);
    n->set = set;
    return n;
}

/* A copy that asks nothing of places: a reference has to match the same text, not in the same
 * surroundings. */
static const struct node *without_places(struct parser *ps, const struct node *n)
{
    const struct node *root = NULL, **slot = &root;
    while (n) { /* down the a side, which may be long */
        struct node *copy = new_node(ps, n->kind);
        *slot = copy;
        if (n->kind == NODE_HERE) {
            copy->kind = NODE_EMPTY;
            break;
        }
        *copy = *n;
        if (n->b)
            copy->b = without_places(ps, n->b);
        slot = &copy->a;
        n = n->a;
    }
    return root;
}

/* ---- parts -------------------------------------------------------------------------------------
 */

static int preference(int flags)
{
    return flags & (PREFER_LONG | PREFER_SHORT);
}

/* What a part tells the one around it. */
static int upwards(int flags)
{
    bool both = preference(flags) == (PREFER_LONG | PREFER_SHORT);
    return (flags & (MIXED | CAPTURES | REFERS)) | (both ? MIXED : 0);
}

static bool is_interesting(int flags)
{
    return (flags & (MIXED | CAPTURES | REFERS)) != 0;
}

static int combined(int first, int second)
{
    return upwards(first | second) | (preference(first) ? preference(first) : preference(second));
}

static struct part *new_part(struct parser *ps, enum part_kind kind, int flags,
                             const struct node *node)
{
    struct part *p = ARENA_NEW(&ps->re->arena, struct part);
    p->kind = kind;
    p->flags = flags;
    p->node = node;
    return p;
}

static struct part *alternatives(struct parser *ps, bool in_paren, bool in_look);
static struct part *branch(struct parser *ps, bool in_paren, bool in_look);

static void remember_group(struct parser *ps, int number, struct part *p)
{
    if (number >= ps->cap_groups) {
        int cap = MAX(number + 1, ps->cap_groups * 2 + 8);
        struct part **grown = ARENA_ARRAY(&ps->re->arena, struct part *, cap);
        if (ps->cap_groups)
            memcpy(grown, ps->groups, sizeof(*grown) * (size_t)ps->cap_groups);
        ps->groups = grown;
        ps->cap_groups = cap;
    }
    ps->groups[number] = p;
}

static bool enter(struct parser *ps)
{
    if (++ps->depth > REGEX_MAX_DEPTH)
        fail(ps, types__regex_too_complex);
    return !ps->error;
}

static struct part *parenthesis(struct parser *ps, bool in_look)
{
    bool captures = ps->value && !in_look;
    int number = captures ? ++ps->opened : 0;
    if (captures)
        remember_group(ps, number, NULL);
    next(ps);
    struct part *p = alternatives(ps, true, in_look);
    if (ps->error)
        return NULL;
    if (ps->token != T_CLOSE)
        return fail(ps, bad_parens);
    next(ps);
    if (!captures)
        return p;
    if (p->group) { /* ((x)): one part has one number */
        struct part *outer = new_part(ps, PART_GROUP, p->flags, p->node);
        outer->child = p;
        p = outer;
    }
    p->flags |= CAPTURES;
    p->group = number;
    remember_group(ps, number, p);
    return p;
}

static struct part *reference(struct parser *ps, bool in_look)
{
    int number = (int)MIN(ps->value, (uint32_t)INT32_MAX);
    if (in_look || number <= 0 || number > ps->opened || !ps->groups[number])
        return fail(ps, bad_refer);
    struct part *p = new_part(ps, PART_REFER, REFERS, without_places(ps, ps->groups[number]->node));
    p->refers = number;
    p->min = p->max = 1;
    next(ps);
    return p;
}

static struct part *plain_set(struct parser *ps, int set)
{
    next(ps);
    return ps->error ? NULL : new_part(ps, PART_PLAIN, 0, set_node(ps, set));
}

static struct part *atom(struct parser *ps, bool in_look)
{
    switch (ps->token) {
    case T_OPEN:
        return parenthesis(ps, in_look);
    case T_REFER:
        return reference(ps, in_look);
    case T_SET:
        return plain_set(ps, (int)ps->value);
    case T_CHAR:
        return plain_set(ps, one_char_set(ps, ps->value));
    case T_BRACKET:
        return plain_set(ps, bracket(ps));
    case T_ANY: {
        int set = new_set(ps->re);
        ps->re->sets[set].negated = true;
        if (ps->flags & REGEX_NEWLINE_STOPS)
            put_range(ps->re, set, '\n', '\n');
        return plain_set(ps, set);
    }
    case T_CLOSE: /* only in POSIX's: an unbalanced one is a character */
        return plain_set(ps, one_char_set(ps, ')'));
    default:
        return fail(ps, bad_repeat);
    }
}

static struct node *place(struct parser *ps, enum here here)
{
    struct node *n = new_node(ps, NODE_HERE);
    n->here = here;
    return n;
}

static const struct node *lookaround(struct parser *ps)
{
    struct regex *re = ps->re;
    uint32_t how = ps->value;
    next(ps);
    struct part *p = alternatives(ps, true, true);
    if (ps->error)
        return NULL;
    if (ps->token != T_CLOSE)
        return fail(ps, bad_parens);
    next(ps);
    if (re->n_looks == re->cap_looks) {
        int cap = re->cap_looks ? re->cap_looks * 2 : 4;
        struct look *grown = ARENA_ARRAY(&re->arena, struct look, cap);
        if (re->n_looks)
            memcpy(grown, re->looks, sizeof(*grown) * (size_t)re->n_looks);
        re->looks = grown;
        re->cap_looks = cap;
    }
    re->looks[re->n_looks] =
        (struct look){.node = p->node, .behind = how & LOOK_BEHIND, .negated = how & LOOK_NEGATED};
    struct node *n = place(ps, HERE_LOOK);
    n->look = re->n_looks++;
    return n;
}

/* ---- quantifiers -------------------------------------------------------------------------------
 */

struct quantifier {
    int min, max;
    int prefers; /* 0: as the atom does */
};

static int bound_number(struct parser *ps)
{
    int n = 0;
    while (ps->p < ps->end && is_digit(*ps->p) && n <= REGEX_MAX_REPEAT)
        n = n * 10 + (int)(*ps->p++ - '0');
    if (n > REGEX_MAX_REPEAT)
        fail(ps, bad_bound);
    return n;
}

static void blanks_in_bound(struct parser *ps)
{
    if (ps->flags & REGEX_EXPANDED)
        skip_blanks(ps);
    if (!ps->error && ps->p == ps->end)
        fail(ps, bad_braces);
}

/* ps->p is at the first digit. */
static void bounds(struct parser *ps, struct quantifier *ret)
{
    ret->min = ret->max = bound_number(ps);
    blanks_in_bound(ps);
    bool pair = !ps->error && *ps->p == ','; /* {m,m} prefers something, {m} does not */
    if (pair) {
        ps->p++;
        blanks_in_bound(ps);
        ret->max = REGEX_FOREVER;
        if (!ps->error && is_digit(*ps->p))
            ret->max = bound_number(ps);
        blanks_in_bound(ps);
        if (ret->min > ret->max)
            fail(ps, bad_bound);
    }
    if (ps->error)
        return;
    if (*ps->p != '}') {
        fail(ps, bad_bound);
        return;
    }
    ps->p++;
    int prefers = greedy(ps) ? PREFER_LONG : PREFER_SHORT;
    ret->prefers = pair ? prefers : 0;
}

static struct quantifier quantifier(struct parser *ps)
{
    struct quantifier q = {1, 1, 0};
    int prefers = ps->value ? PREFER_LONG : PREFER_SHORT;
    switch (ps->token) {
    case T_STAR:
        q = (struct quantifier){0, REGEX_FOREVER, prefers};
        break;
    case T_PLUS:
        q = (struct quantifier){1, REGEX_FOREVER, prefers};
        break;
    case T_QUESTION:
        q = (struct quantifier){0, 1, prefers};
        break;
    case T_BRACE:
        bounds(ps, &q);
        break;
    default:
        return q;
    }
    next(ps);
    return q;
}

/* An interesting part, repeated. */
static struct part *repeat_part(struct parser *ps, struct part *p, struct quantifier q)
{
    int own = p->flags & (PREFER_LONG | PREFER_SHORT | MIXED);
    if (p->kind == PART_REFER) {
        p->min = q.min;
        p->max = q.max;
        p->flags |= combined(q.prefers, p->flags);
        p->node = repeated(ps, p->node, q.min, q.max);
        return p;
    }
    if (q.min == 1 && q.max == 1 && (q.prefers == 0 || own == 0 || q.prefers == own))
        return p;
    const struct node *all = repeated(ps, p->node, q.min, q.max);
    int flags = combined(q.prefers, p->flags);
    if (!(p->flags & (CAPTURES | REFERS)))
        return new_part(ps, PART_PLAIN, flags, all);
    if (q.min > 0 && !(p->flags & REFERS)) {
        /* only what the last one captured counts: x{m-1,n-1} x, and the first part is plain */
        struct part *t = new_part(ps, PART_SEQUENCE, flags, all);
        t->child =
            new_part(ps, PART_PLAIN, preference(flags),
                     repeated(ps, p->node, q.min - 1, q.max == REGEX_FOREVER ? q.max : q.max - 1));
        t->child->sibling = p;
        return t;
    }
    struct part *t = new_part(ps, PART_REPEAT, flags, all);
    t->min = q.min;
    t->max = q.max;
    t->child = p;
    return t;
}

/* top: what is plain so far, then p, then the rest of the branch. */
static void split_branch(struct parser *ps, struct part *top, struct part *p, struct quantifier q,
                         bool in_paren, bool in_look)
{
    struct part *prefix = new_part(ps, PART_PLAIN, top->flags, top->node);
    int flags = combined(q.prefers, p->flags);
    top->kind = PART_SEQUENCE;
    top->child = prefix;
    p = repeat_part(ps, p, q);
    if (ps->token == T_OR || ps->token == T_END || (ps->token == T_CLOSE && in_paren)) {
        prefix->sibling = p;
        top->flags |= combined(top->flags, p->flags | flags);
        top->node = pair(ps, NODE_SEQUENCE, prefix->node, p->node);
        return;
    }
    struct part *t = new_part(ps, PART_SEQUENCE, flags, NULL);
    t->child = p;
    if (!enter(ps))
        return;
    p->sibling = branch(ps, in_paren, in_look);
    ps->depth--;
    if (ps->error)
        return;
    t->flags |= combined(t->flags, p->sibling->flags);
    t->node = pair(ps, NODE_SEQUENCE, p->node, p->sibling->node);
    prefix->sibling = t;
    top->flags |= combined(top->flags, t->flags);
    top->node = pair(ps, NODE_SEQUENCE, prefix->node, t->node);
}

static void piece(struct parser *ps, struct part *top, bool in_paren, bool in_look)
{
    if (ps->token == T_HERE || ps->token == T_LOOK) {
        const struct node *n;
        if (ps->token == T_HERE) {
            n = place(ps, (enum here)ps->value);
            next(ps);
        } else {
            n = lookaround(ps);
        }
        if (!ps->error)
            top->node = pair(ps, NODE_SEQUENCE, top->node, n);
        return;
    }
    if (ps->token == T_CLOSE && (ps->flags & REGEX_ADVANCED)) {
        fail(ps, bad_parens);
        return;
    }
    struct part *p = atom(ps, in_look);
    if (ps->error)
        return;
    struct quantifier q = quantifier(ps);
    if (ps->error)
        return;
    if (q.max == 0)
        return; /* its groups may be referred to, in vain */
    int flags = top->flags | q.prefers | p->flags;
    if (!p->group && p->kind != PART_REFER && !is_interesting(upwards(flags))) {
        top->node = pair(ps, NODE_SEQUENCE, top->node, repeated(ps, p->node, q.min, q.max));
        top->flags = flags;
        return;
    }
    split_branch(ps, top, p, q, in_paren, in_look);
}

static struct part *branch(struct parser *ps, bool in_paren, bool in_look)
{
    struct part *top = new_part(ps, PART_PLAIN, 0, new_node(ps, NODE_EMPTY));
    while (!ps->error && ps->token != T_OR && ps->token != T_END &&
           !(ps->token == T_CLOSE && in_paren) && top->kind == PART_PLAIN)
        piece(ps, top, in_paren, in_look);
    return top;
}

static struct part *alternatives(struct parser *ps, bool in_paren, bool in_look)
{
    struct part *all = new_part(ps, PART_EITHER, PREFER_LONG, NULL), *last = NULL;
    if (!enter(ps))
        return NULL;
    for (;;) {
        struct part *b = branch(ps, in_paren, in_look);
        if (ps->error)
            return NULL;
        all->node = last ? pair(ps, NODE_EITHER, all->node, b->node) : b->node;
        *(last ? &last->sibling : &all->child) = b;
        last = b;
        all->flags |= upwards(all->flags | b->flags);
        if (ps->token != T_OR)
            break;
        next(ps);
    }
    ps->depth--;
    if (last == all->child)
        return last;
    if (!is_interesting(all->flags)) {
        all->kind = PART_PLAIN;
        all->child = NULL;
    }
    return all;
}

/* ---- options in the pattern --------------------------------------------------------------------
 */

static void option(struct parser *ps, uint32_t letter)
{
    switch (letter) {
    case 'b':
        ps->flags |= REGEX_BASIC;
        break;
    case 'c':
        ps->flags &= ~REGEX_IGNORE_CASE;
        break;
    case 'e':
        ps->flags &= ~REGEX_ADVANCED;
        break;
    case 'i':
        ps->flags |= REGEX_IGNORE_CASE;
        break;
    case 'm':
    case 'n':
        ps->flags |= REGEX_NEWLINE_STOPS | REGEX_NEWLINE_ANCHORS;
        break;
    case 'p':
        ps->flags = (ps->flags | REGEX_NEWLINE_STOPS) & ~REGEX_NEWLINE_ANCHORS;
        break;
    case 'q':
        ps->flags = (ps->flags | REGEX_LITERAL) & ~REGEX_ADVANCED;
        break;
    case 's':
        ps->flags &= ~(REGEX_NEWLINE_STOPS | REGEX_NEWLINE_ANCHORS);
        break;
    case 't':
        ps->flags &= ~REGEX_EXPANDED;
        break;
    case 'w':
        ps->flags = (ps->flags | REGEX_NEWLINE_ANCHORS) & ~REGEX_NEWLINE_STOPS;
        break;
    case 'x':
        ps->flags |= REGEX_EXPANDED;
        break;
    default:
        fail(ps, bad_option);
    }
}

static void plainly_literal(struct parser *ps)
{
    ps->flags &= ~(REGEX_EXPANDED | REGEX_NEWLINE_STOPS | REGEX_NEWLINE_ANCHORS);
}

/* ***=, ***: and (?xyz) at the start */
static void prefixes(struct parser *ps)
{
    if (ps->flags & REGEX_LITERAL) {
        plainly_literal(ps);
        return;
    }
    if (looking_at(ps, "***") && ps->end - ps->p > 3) {
        uint32_t kind = ps->p[3];
        if (kind != '=' && kind != ':') {
            fail(ps, kind == '?' ? bad_pattern : bad_repeat);
            return;
        }
        ps->p += 4;
        if (kind == '=') {
            ps->flags = (ps->flags | REGEX_LITERAL) & ~REGEX_ADVANCED;
            plainly_literal(ps);
            return;
        }
        ps->flags |= REGEX_ADVANCED;
    }
    if (!(ps->flags & REGEX_ADVANCED) || !looking_at(ps, "(?") || ps->end - ps->p < 3 ||
        !is_letter(ps->p[2]))
        return;
    for (ps->p += 2; ps->p < ps->end && is_letter(*ps->p) && !ps->error; ps->p++)
        option(ps, *ps->p);
    if (ps->error)
        return;
    if (ps->p == ps->end || *ps->p != ')') {
        fail(ps, bad_option);
        return;
    }
    ps->p++;
    if (ps->flags & REGEX_LITERAL)
        plainly_literal(ps);
}

const char *types__regex_parse(struct regex *re, const uint32_t *pattern, int n,
                               bool *ret_unsupported)
{
    struct parser ps = {.re = re, .p = pattern, .end = pattern + n, .flags = re->flags};
    for (int i = 0; i < FIRST_SET; i++)
        new_set(re);
    prefixes(&ps);
    if (ps.flags & REGEX_BASIC)
        not_supported(&ps, "basic regular expressions (option b)");
    int flags = ps.flags;
    ps.flags &= ~REGEX_IGNORE_CASE;
    add_class(&ps, SET_WORD, "word");
    put_range(re, SET_NEWLINE, '\n', '\n');
    re->sets[SET_ANY].negated = true;
    ps.flags = flags;
    next(&ps);
    if (!ps.error)
        re->top = alternatives(&ps, false, false);
    if (!ps.error && ps.token != T_END)
        fail(&ps, bad_parens);
    re->flags = ps.flags;
    re->n_groups = ps.opened;
    *ret_unsupported = ps.unsupported;
    return ps.error;
}
