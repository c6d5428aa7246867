/*
 * Expressions run: a program for each, in the manner of Thompson. A walk over the text holds the
 * set of all states that the program can be in, so its time is bounded by text x program, whatever
 * the pattern; what a backtracking matcher would do is nowhere done. Where an expression asks
 * nothing of its surroundings but for the ends of the text, sets that were seen are remembered as
 * states of a deterministic automaton, with where each color leads from there.
 *
 * Time in all is bounded, too (REGEX_MAX_STEPS), since dividing a match among parentheses may need
 * many walks.
 */
#include "types/regex.h"

const char types__regex_too_complex[] = "regular expression is too complex";

enum { MAX_STATES = 100000, MAX_DFA = 256, UNSEEN = -1 };

enum op { OP_SET, OP_SPLIT, OP_JUMP, OP_HERE, OP_ACCEPT };

struct inst {
    uint8_t op, here;
    int set; /* or the index of a look */
    int x, y;
};

/* Sets of states with constant-time insertion: `at[state]` is its place in `list`, if it is there.
 */
struct states {
    int *list, *at;
    int n;
};

/* A set of states that was seen, before ("added starts") and after closing over empty moves. */
struct dfa_state {
    int *list;
    int n;
    bool accepts;
    bool accepts_at_end; /* of the text, where $ holds */
    int *next;           /* by color; UNSEEN */
};

struct program {
    struct inst *code;
    int n, cap;
    bool placeless; /* OP_HERE asks for the ends of the text at most: may be made deterministic */
    struct states now, then;
    int *stack;
    int n_dfa;
    struct dfa_state *dfa; /* [0] is the start; NULL: not begun */
    int dfa_inside;        /* the start at another place than the text's first */
    bool searches;         /* a new start is added at each place */
};

/* ---- colors ------------------------------------------------------------------------------------
 */

static int compare_points(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return (a > b) - (a < b);
}

static int color_of(const struct regex *re, uint32_t c)
{
    int low = 0, high = re->n_bounds;
    while (low < high) {
        int mid = (low + high) / 2;
        if (re->bounds[mid] <= c)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void paint(struct regex *re, struct char_set *s)
{
    s->colors = ARENA_ARRAY(&re->arena, uint64_t, re->color_words);
    for (int i = 0; i < s->n; i++) {
        int last = color_of(re, s->ranges[i].high);
        for (int c = color_of(re, s->ranges[i].low); c <= last; c++)
            s->colors[c / 64] |= UINT64_C(1) << (c % 64);
    }
    for (int w = 0; s->negated && w < re->color_words; w++)
        s->colors[w] = ~s->colors[w];
}

void types__regex_colors(struct regex *re)
{
    int n = 0;
    for (int i = 0; i < re->n_sets; i++)
        n += 2 * re->sets[i].n;
    re->bounds = ARENA_ARRAY(&re->arena, uint32_t, MAX(n, 1));
    n = 0;
    for (int i = 0; i < re->n_sets; i++) {
        for (int r = 0; r < re->sets[i].n; r++) {
            re->bounds[n++] = re->sets[i].ranges[r].low;
            re->bounds[n++] = re->sets[i].ranges[r].high + 1;
        }
    }
    qsort(re->bounds, (size_t)n, sizeof(uint32_t), compare_points);
    for (int i = 0; i < n; i++) {
        if (!re->n_bounds || re->bounds[re->n_bounds - 1] != re->bounds[i])
            re->bounds[re->n_bounds++] = re->bounds[i];
    }
    re->color_words = (re->n_bounds + 64) / 64;
    for (int i = 0; i < re->n_sets; i++)
        paint(re, &re->sets[i]);
    for (uint32_t c = 0; c < 128; c++)
        re->ascii[c] = (uint16_t)color_of(re, c);
}

static bool has_color(const struct regex *re, int set, int color)
{
    return re->sets[set].colors[color / 64] >> (color % 64) & 1;
}

void types__regex_text(struct regex *re, const struct value *text)
{
    const char *s = text->s.p;
    size_t n = text->s.n;
    arena_reset(&re->scratch);
    re->text = text->s.p;
    re->text_bytes = n;
    re->steps = 0;
    re->failed = false;
    re->colors = ARENA_ARRAY(&re->scratch, uint16_t, n + 1);
    re->offsets = NULL;
    re->chars = NULL;
    if (re->top->flags & REFERS)
        re->chars = ARENA_ARRAY(&re->scratch, uint32_t, n + 1);
    int chars = 0;
    for (size_t i = 0; i < n; chars++) {
        uint32_t c = (unsigned char)s[i];
        size_t len = 1;
        if (c < 0x80) {
            re->colors[chars] = re->ascii[c];
        } else {
            len = types__utf8_decode(s + i, n - i, &c);
            re->colors[chars] = (uint16_t)color_of(re, c);
            if (!re->offsets) {
                re->offsets = ARENA_ARRAY(&re->scratch, uint32_t, n + 1);
                for (int k = 0; k < chars; k++)
                    re->offsets[k] = (uint32_t)k;
            }
        }
        if (re->offsets)
            re->offsets[chars] = (uint32_t)i;
        if (re->chars)
            re->chars[chars] = c;
        i += len;
    }
    if (re->offsets)
        re->offsets[chars] = (uint32_t)n;
    re->n_chars = chars;
}

/* ---- programs ----------------------------------------------------------------------------------
 */

static int put(struct program *p, struct inst inst)
{
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 32;
        p->code = mem_realloc(p->code, (size_t)p->cap * sizeof(*p->code));
    }
    p->code[p->n] = inst;
    return p->n++;
}

static bool emit(struct program *p, const struct node *n);

/* The nodes of a list that hangs down the a side, in order. */
static bool emit_sequence(struct program *p, const struct node *n)
{
    int len = 1;
    for (const struct node *s = n; s->kind == NODE_SEQUENCE; s = s->a)
        len++;
    const struct node **parts = mem_alloc((size_t)len * sizeof(const struct node *));
    for (int i = len; i > 1; n = n->a)
        parts[--i] = n->b;
    parts[0] = n;
    bool ok = true;
    for (int i = 0; i < len && ok; i++)
        ok = emit(p, parts[i]);
    mem_free(parts);
    return ok;
}

static bool emit_either(struct program *p, const struct node *n)
{
    int jumps = -1; /* a chain through y of those that leave */
    for (;; n = n->a) {
        bool last = n->kind != NODE_EITHER;
        int split = last ? 0 : put(p, (struct inst){.op = OP_SPLIT});
        if (!last)
            p->code[split].x = p->n;
        if (!emit(p, last ? n : n->b))
            return false;
        if (last)
            break;
        jumps = put(p, (struct inst){.op = OP_JUMP, .y = jumps});
        p->code[split].y = p->n;
    }
    while (jumps >= 0) {
        p->code[jumps].x = p->n;
        jumps = p->code[jumps].y;
    }
    return true;
}

static bool emit_star(struct program *p, const struct node *n)
{
    int split = put(p, (struct inst){.op = OP_SPLIT});
    p->code[split].x = p->n;
    if (!emit(p, n))
        return false;
    put(p, (struct inst){.op = OP_JUMP, .x = split});
    p->code[split].y = p->n;
    return true;
}

static bool emit_repeat(struct program *p, const struct node *n)
{
    for (int i = 0; i < n->min; i++) {
        if (!emit(p, n->a))
            return false;
    }
    if (n->max == REGEX_FOREVER)
        return emit_star(p, n->a);
    int skips = -1;
    for (int i = n->min; i < n->max; i++) {
        skips = put(p, (struct inst){.op = OP_SPLIT, .y = skips});
        p->code[skips].x = p->n;
        if (!emit(p, n->a))
            return false;
    }
    while (skips >= 0) {
        int before = p->code[skips].y;
        p->code[skips].y = p->n;
        skips = before;
    }
    return true;
}

static bool emit(struct program *p, const struct node *n)
{
    if (p->n > MAX_STATES)
        return false;
    switch (n->kind) {
    case NODE_EMPTY:
        return true;
    case NODE_SET:
        put(p, (struct inst){.op = OP_SET, .set = n->set});
        return true;
    case NODE_HERE:
        put(p, (struct inst){.op = OP_HERE, .here = (uint8_t)n->here, .set = n->look});
        p->placeless &= n->here == HERE_TEXT_START || n->here == HERE_TEXT_END;
        return true;
    case NODE_SEQUENCE:
        return emit_sequence(p, n);
    case NODE_EITHER:
        return emit_either(p, n);
    case NODE_REPEAT:
        return emit_repeat(p, n);
    }
    return false;
}

struct program *types__regex_program(struct regex *re, const struct node *node)
{
    struct program *p = ARENA_NEW(&re->arena, struct program);
    p->placeless = true;
    bool ok = emit(p, node);
    struct inst *code = p->code;
    if (ok) {
        put(p, (struct inst){.op = OP_ACCEPT});
        code = p->code;
        size_t n = (size_t)p->n;
        p->code = ARENA_ARRAY(&re->arena, struct inst, n);
        memcpy(p->code, code, n * sizeof(*code));
        int *lists = ARENA_ARRAY(&re->arena, int, 6 * n + 2);
        p->now = (struct states){lists, lists + n, 0};
        p->then = (struct states){lists + 2 * n, lists + 3 * n, 0};
        p->stack = lists + 4 * n;
    }
    mem_free(code);
    return ok ? p : NULL;
}

/* ---- places ------------------------------------------------------------------------------------
 */

static bool is_word(const struct regex *re, int at)
{
    return at >= 0 && at < re->n_chars && has_color(re, SET_WORD, re->colors[at]);
}

static bool is_newline(const struct regex *re, int at)
{
    return has_color(re, SET_NEWLINE, re->colors[at]);
}

static bool looks(struct regex *re, struct look *l, int at);

/* Places of no text in particular, for sets that are remembered. */
enum { AT_START = -10, AT_END, AT_BOTH_ENDS, INSIDE };

static bool holds(struct regex *re, const struct inst *i, int at)
{
    bool before = is_word(re, at - 1), after = is_word(re, at);
    switch ((enum here)i->here) {
    case HERE_TEXT_START:
        return at == 0 || at == AT_START || at == AT_BOTH_ENDS;
    case HERE_TEXT_END:
        return at == re->n_chars || at == AT_END || at == AT_BOTH_ENDS;
    case HERE_LINE_START:
        return at == 0 || is_newline(re, at - 1);
    case HERE_LINE_END:
        return at == re->n_chars || is_newline(re, at);
    case HERE_WORD_START:
        return !before && after;
    case HERE_WORD_END:
        return before && !after;
    case HERE_WORD_EDGE:
        return before != after;
    case HERE_NO_WORD_EDGE:
        return before == after;
    case HERE_LOOK:
        return looks(re, &re->looks[i->set], at);
    }
    return false;
}

/* ---- walking -----------------------------------------------------------------------------------
 */

static bool in_states(const struct states *s, int state)
{
    int at = s->at[state];
    return at >= 0 && at < s->n && s->list[at] == state;
}

/* Adds a state and all that empty moves lead to at place `at`. True: one of them accepts. */
static bool add(struct regex *re, struct program *p, struct states *s, int state, int at)
{
    bool accepts = false;
    int depth = 0;
    p->stack[depth++] = state;
    while (depth) {
        state = p->stack[--depth];
        if (in_states(s, state))
            continue;
        s->at[state] = s->n;
        s->list[s->n++] = state;
        const struct inst *i = &p->code[state];
        switch ((enum op)i->op) {
        case OP_SPLIT:
            p->stack[depth++] = i->y;
            p->stack[depth++] = i->x;
            break;
        case OP_JUMP:
            p->stack[depth++] = i->x;
            break;
        case OP_HERE:
            if (holds(re, i, at))
                p->stack[depth++] = state + 1;
            break;
        case OP_ACCEPT:
            accepts = true;
            break;
        case OP_SET:
            break;
        }
    }
    return accepts;
}

static bool spend(struct regex *re, int steps)
{
    re->steps += (uint64_t)steps + 1;
    return re->steps <= REGEX_MAX_STEPS;
}

/* Over a character of this color to place `to`: now -> then. */
static bool step(struct regex *re, struct program *p, int color, int to)
{
    bool accepts = false;
    p->then.n = 0;
    for (int i = 0; i < p->now.n; i++) {
        const struct inst *inst = &p->code[p->now.list[i]];
        if (inst->op == OP_SET && has_color(re, inst->set, color))
            accepts |= add(re, p, &p->then, p->now.list[i] + 1, to);
    }
    struct states now = p->now;
    p->now = p->then;
    p->then = now;
    return accepts;
}

static int slow_end(struct regex *re, struct program *p, int from, int least, int most,
                    bool shortest)
{
    int end = -1;
    p->now.n = 0;
    bool accepts = add(re, p, &p->now, 0, from);
    for (int at = from;; at++) {
        if (accepts && at >= least) {
            end = at;
            if (shortest)
                return end;
        }
        if (at >= most || p->now.n == 0)
            return end;
        if (!spend(re, p->now.n))
            return -1;
        accepts = step(re, p, re->colors[at], at + 1);
    }
}

/* ---- remembered sets ----------------------------------------------------------------------------
 */

/* Does p->now accept, seen at the end of the text? p->then is used for it. */
static bool accepts_at_end(struct regex *re, struct program *p, bool at_start)
{
    bool accepts = false;
    p->then.n = 0;
    for (int i = 0; i < p->now.n && !accepts; i++)
        accepts = add(re, p, &p->then, p->now.list[i], at_start ? AT_BOTH_ENDS : AT_END);
    return accepts;
}

/* The remembered state of p->now; -1 when there are too many. */
static int remember(struct regex *re, struct program *p, bool accepts, bool at_start)
{
    size_t bytes = (size_t)p->now.n * sizeof(int);
    for (int i = at_start ? p->n_dfa : 1; i < p->n_dfa; i++) {
        if (p->dfa[i].n == p->now.n && memcmp(p->dfa[i].list, p->now.list, bytes) == 0)
            return i;
    }
    if (p->n_dfa == MAX_DFA)
        return -1;
    struct dfa_state *d = &p->dfa[p->n_dfa];
    *d = (struct dfa_state){.n = p->now.n, .accepts = accepts};
    d->accepts_at_end = accepts || accepts_at_end(re, p, at_start);
    d->list = ARENA_ARRAY(&re->arena, int, MAX(p->now.n, 1));
    memcpy(d->list, p->now.list, bytes);
    d->next = ARENA_ARRAY(&re->arena, int, re->n_bounds + 1);
    for (int c = 0; c <= re->n_bounds; c++)
        d->next[c] = UNSEEN;
    return p->n_dfa++;
}

static void begin_dfa(struct regex *re, struct program *p)
{
    p->dfa = ARENA_ARRAY(&re->arena, struct dfa_state, MAX_DFA);
    p->now.n = 0;
    bool accepts = add(re, p, &p->now, 0, AT_START);
    remember(re, p, accepts, true);
    p->now.n = 0;
    accepts = add(re, p, &p->now, 0, INSIDE);
    p->dfa_inside = remember(re, p, accepts, false);
}

/* Where state `d` goes over the character at `at`; -1: cannot be remembered. */
static int dfa_step(struct regex *re, struct program *p, int d, int at)
{
    p->now.n = p->dfa[d].n;
    for (int i = 0; i < p->now.n; i++) {
        p->now.list[i] = p->dfa[d].list[i];
        p->now.at[p->now.list[i]] = i;
    }
    bool accepts = step(re, p, re->colors[at], INSIDE);
    re->steps += (uint64_t)p->dfa[d].n;
    int next = remember(re, p, accepts, false);
    if (next >= 0)
        p->dfa[d].next[re->colors[at]] = next;
    return next;
}

static bool may_remember(const struct regex *re, const struct program *p)
{
    return p->placeless && p->n <= 500 && re->n_bounds < 500;
}

/* As slow_end(). False: too many sets, ask slow_end(). */
static bool fast_end(struct regex *re, struct program *p, int from, int least, int most,
                     bool shortest, int *ret)
{
    if (!p->dfa)
        begin_dfa(re, p);
    *ret = -1;
    int d = from == 0 ? 0 : p->dfa_inside, at = from;
    for (;; at++) {
        const struct dfa_state *now = &p->dfa[d];
        if ((at == re->n_chars ? now->accepts_at_end : now->accepts) && at >= least) {
            *ret = at;
            if (shortest)
                break;
        }
        if (at >= most || p->dfa[d].n == 0)
            break;
        int next = p->dfa[d].next[re->colors[at]];
        if (next < 0 && (next = dfa_step(re, p, d, at)) < 0)
            return false;
        d = next;
    }
    re->steps += (uint64_t)(at - from) / 8;
    if (!spend(re, 0))
        *ret = -1;
    return true;
}

int types__regex_end(struct regex *re, struct program *p, int from, int least, int most,
                     bool shortest)
{
    int end;
    if (may_remember(re, p) && fast_end(re, p, from, least, most, shortest, &end))
        return end;
    return slow_end(re, p, from, least, most, shortest);
}

bool types__regex_search(struct regex *re, struct program *p, int from, int *ret_first,
                         int *ret_last)
{
    p->now.n = 0;
    *ret_first = from;
    for (int at = from;; at++) {
        if (p->now.n == 0)
            *ret_first = at; /* nothing that began before lives */
        if (add(re, p, &p->now, 0, at)) {
            *ret_last = at;
            return true;
        }
        if (at == re->n_chars || !spend(re, p->now.n))
            return false;
        if (step(re, p, re->colors[at], at + 1)) {
            *ret_last = at + 1;
            return true;
        }
    }
}

/* ---- lookaround --------------------------------------------------------------------------------
 */

/* Does a match end at `at`? It may begin anywhere. */
static bool ends_at(struct regex *re, struct program *p, int at)
{
    bool accepts = false;
    p->now.n = 0;
    for (int i = 0; i <= at; i++) {
        accepts |= add(re, p, &p->now, 0, i);
        if (i == at || !spend(re, p->now.n))
            break;
        accepts = step(re, p, re->colors[i], i + 1);
    }
    return accepts;
}

static bool looks(struct regex *re, struct look *l, int at)
{
    if (!l->program)
        l->program = types__regex_program(re, l->node);
    if (!l->program) {
        re->failed = true;
        return false;
    }
    bool found = l->behind ? ends_at(re, l->program, at)
                           : types__regex_end(re, l->program, at, at, re->n_chars, true) >= 0;
    return found != l->negated;
}
