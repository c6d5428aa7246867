/*
 * Which text a regular expression matches, and what its parentheses get.
 *
 * PostgreSQL's rule is POSIX's: of all matches the one that begins first, and of those the longest
 * (the shortest, where the pattern as a whole is non-greedy). The parentheses then divide that
 * match: from left to right each part takes the longest (or shortest) text with which all parts to
 * its right can still match. So the ends are known before any parenthesis is looked at, and a
 * backtracking matcher in Perl's manner, where the first alternative that works wins, gives other
 * answers; see docs/decisions/2026-11-26-regular-expressions.md for the libraries that were
 * considered.
 *
 *   1. types__regex_search() walks the text once: is there a match, and where can it begin?
 *   2. types__regex_end() at each of these places: how far does it reach?
 *   3. divide() goes down the parts, asking types__regex_end() for the ends of each. It backtracks
 * only among the parts of one sequence, and over references.
 *
 * A thread keeps the patterns that it used last, compiled.
 */
#include "types/regex.h"

#include <pthread.h>

/* ---- dividing a match ---------------------------------------------------------------------------
 */

static bool divide(struct regex *re, struct part *p, int from, int to, struct regex_span *groups);

static struct program *program_of(struct regex *re, struct part *p)
{
    if (!p->program)
        p->program = types__regex_program(re, p->node);
    if (!p->program)
        re->failed = true;
    return p->program;
}

static bool is_over(const struct regex *re)
{
    return re->failed || re->steps > REGEX_MAX_STEPS;
}

static int longest(struct regex *re, struct part *p, int from, int most)
{
    struct program *program = program_of(re, p);
    return program ? types__regex_end(re, program, from, from, most, false) : -1;
}

static int shortest(struct regex *re, struct part *p, int from, int least, int most)
{
    struct program *program = program_of(re, p);
    return program ? types__regex_end(re, program, from, least, most, true) : -1;
}

static void forget(const struct part *p, struct regex_span *groups)
{
    if (p->group)
        groups[p->group] = (struct regex_span){-1, -1};
    for (const struct part *c = p->child; c; c = c->sibling)
        forget(c, groups);
}

static bool divide_sequence(struct regex *re, struct part *p, int from, int to,
                            struct regex_span *groups)
{
    struct part *left = p->child, *right = left->sibling;
    bool prefers_short = left->flags & PREFER_SHORT;
    int mid = prefers_short ? shortest(re, left, from, from, to) : longest(re, left, from, to);
    while (mid >= 0 && !is_over(re)) {
        if (longest(re, right, mid, to) == to && divide(re, left, from, mid, groups) &&
            divide(re, right, mid, to, groups))
            return true;
        forget(left, groups);
        forget(right, groups);
        if (mid == (prefers_short ? to : from))
            return false;
        mid = prefers_short ? shortest(re, left, from, mid + 1, to)
                            : longest(re, left, from, mid - 1);
    }
    return false;
}

static bool divide_either(struct regex *re, struct part *p, int from, int to,
                          struct regex_span *groups)
{
    for (struct part *c = p->child; c && !is_over(re); c = c->sibling) {
        if (longest(re, c, from, to) == to && divide(re, c, from, to, groups))
            return true;
    }
    return false;
}

static uint32_t fold(const struct regex *re, uint32_t c)
{
    return re->flags & REGEX_IGNORE_CASE && c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool divide_refer(struct regex *re, const struct part *p, int from, int to,
                         const struct regex_span *groups)
{
    struct regex_span g = groups[p->refers];
    if (g.from < 0)
        return false;
    int len = g.to - g.from;
    if (len == 0)
        return from == to;
    if (from == to)
        return p->min == 0;
    int times = (to - from) / len;
    if ((to - from) % len != 0 || times < p->min || (times > p->max && p->max != REGEX_FOREVER))
        return false;
    for (int i = from; i < to; i++) {
        if (fold(re, re->chars[i]) != fold(re, re->chars[g.from + (i - from) % len]))
            return false;
    }
    re->steps += (uint64_t)(to - from);
    return true;
}

/* ---- repetitions: ends[k] is where the k-th one ends ---- */

struct repeat {
    struct regex *re;
    struct part *child;
    struct regex_span *groups;
    int from, to, min, max;
    bool prefers_short;
    int *ends;
    int verified; /* so many are divided already */
};

/* The next end of the k-th repetition on from `limit`. */
static int next_end(struct repeat *r, int k, int limit)
{
    return r->prefers_short ? shortest(r->re, r->child, r->ends[k - 1], limit, r->to)
                            : longest(r->re, r->child, r->ends[k - 1], limit);
}

/* An empty one counts only where it is needed to reach the minimum. */
static bool may_be_empty(const struct repeat *r, int k, int rest)
{
    return k < r->min && r->min - k >= rest;
}

static bool verify(struct repeat *r, int k)
{
    for (int i = r->verified + 1; i <= k; i++) {
        forget(r->child, r->groups);
        if (!divide(r->re, r->child, r->ends[i - 1], r->ends[i], r->groups))
            return false;
        r->verified = i;
    }
    return true;
}

/* Goes back to a repetition that can end elsewhere; its number, 0: there is none. */
static int go_back(struct repeat *r, int k, int *ret_limit)
{
    for (; k > 0; k--) {
        int before = r->ends[k - 1];
        if (r->prefers_short) {
            if (r->ends[k] < r->to) {
                *ret_limit = r->ends[k] + 1;
                return k;
            }
        } else if (r->ends[k] > before) {
            *ret_limit = r->ends[k] - 1;
            if (*ret_limit > before || may_be_empty(r, k, r->to - before))
                return k;
        }
    }
    return 0;
}

static int first_limit(const struct repeat *r, int k)
{
    if (!r->prefers_short)
        return r->to;
    /* a shortest one is not empty, unless it has to be; the last one reaches the end */
    if (k >= r->max)
        return r->to;
    int before = r->ends[k - 1];
    return before == r->to || may_be_empty(r, k, r->to - before) ? before : before + 1;
}

static bool divide_repeat(struct regex *re, struct part *p, int from, int to,
                          struct regex_span *groups)
{
    struct repeat r = {.re = re, .child = p->child, .groups = groups, .from = from, .to = to};
    r.min = MAX(p->min, 1);
    r.max = to - from;
    if (p->max != REGEX_FOREVER)
        r.max = MIN(r.max, p->max);
    r.max = MAX(r.max, r.min);
    r.prefers_short = p->child->flags & PREFER_SHORT;
    r.ends = ARENA_ARRAY(&re->scratch, int, r.max + 1);
    r.ends[0] = from;
    int k = 1, limit = first_limit(&r, 1);
    while (k > 0 && !is_over(re)) {
        r.ends[k] = next_end(&r, k, limit);
        if (r.ends[k] < 0) {
            k = go_back(&r, k - 1, &limit);
            continue;
        }
        r.verified = MIN(r.verified, k - 1);
        if (r.ends[k] != to) {
            bool empty = r.ends[k] == r.ends[k - 1] && !may_be_empty(&r, k, to - r.ends[k]);
            if (k >= r.max) {
                k = go_back(&r, k - 1, &limit);
            } else if (empty) {
                k = go_back(&r, k, &limit);
            } else {
                k++;
                limit = first_limit(&r, k);
            }
            continue;
        }
        if (k >= r.min && verify(&r, k))
            return true;
        k = go_back(&r, k, &limit);
    }
    return p->min == 0 && from == to; /* none at all: only if an empty one is not possible */
}

/* Sets what the groups inside part p captured, given that p matched [from, to) as a whole. False:
 * it can't, on account of references. */
static bool divide(struct regex *re, struct part *p, int from, int to, struct regex_span *groups)
{
    bool ok = false;
    switch (p->kind) {
    case PART_PLAIN:
        ok = true;
        break;
    case PART_SEQUENCE:
        ok = divide_sequence(re, p, from, to, groups);
        break;
    case PART_EITHER:
        ok = divide_either(re, p, from, to, groups);
        break;
    case PART_GROUP:
        ok = divide(re, p->child, from, to, groups);
        break;
    case PART_REPEAT:
        ok = divide_repeat(re, p, from, to, groups);
        break;
    case PART_REFER:
        ok = divide_refer(re, p, from, to, groups);
        break;
    }
    if (ok && p->group)
        groups[p->group] = (struct regex_span){from, to};
    return ok;
}

/* ---- finding ------------------------------------------------------------------------------------
 */

static struct error *over(const struct regex *re)
{
    if (re->failed)
        return error_new("2201B", "invalid regular expression: %s", types__regex_too_complex);
    if (re->steps > REGEX_MAX_STEPS)
        return error_hint(error_new("54000", "a regular expression takes too many steps"),
                          "Write the pattern with fewer repetitions and back references.");
    return NULL;
}

/* Divides the candidates that begin at `from`, until one can be. */
static bool try_from(struct regex *re, int from, struct regex_span *groups, int n_groups)
{
    bool prefers_short = re->top->flags & PREFER_SHORT;
    int end = prefers_short ? shortest(re, re->top, from, from, re->n_chars)
                            : longest(re, re->top, from, re->n_chars);
    while (end >= 0 && !is_over(re)) {
        for (int i = 0; i <= n_groups; i++)
            groups[i] = (struct regex_span){-1, -1};
        if ((n_groups == 0 && !(re->top->flags & REFERS)) ||
            divide(re, re->top, from, end, groups)) {
            groups[0] = (struct regex_span){from, end};
            return true;
        }
        if (end == (prefers_short ? re->n_chars : from))
            return false;
        end = prefers_short ? shortest(re, re->top, from, end + 1, re->n_chars)
                            : longest(re, re->top, from, end - 1);
    }
    return false;
}

/* False: there is no match at or after `from`. Faster than types__regex_search(), which says where
 * it can begin. */
static bool may_match(struct regex *re, int from)
{
    if (re->anchored) {
        int end = from == 0 ? types__regex_end(re, re->top->program, 0, 0, re->n_chars, true) : -1;
        return end >= 0;
    }
    return types__regex_end(re, re->finder, from, from, re->n_chars, true) >= 0;
}

/* Tries the places at which a match can begin, as types__regex_search() tells them. With references
 * a candidate may turn out to be none, and then the search goes on behind the earliest end that it
 * knew; as in PostgreSQL an empty match at the very end is not looked for in that case. */
static bool try_all(struct regex *re, int from, struct regex_span *groups, int n_groups)
{
    int first, last, next = from;
    do {
        if (!types__regex_search(re, re->top->program, next, &first, &last))
            return false;
        for (int at = first; at <= last && !is_over(re); at++) {
            if (try_from(re, at, groups, n_groups))
                return true;
        }
        next = last + 1;
    } while (next < re->n_chars && !is_over(re));
    return false;
}

struct error *types__regex_find(struct regex *re, int from, struct regex_span *spans, int n_spans,
                                bool *ret_found)
{
    int n_groups = n_spans > 1 || re->top->flags & REFERS ? re->n_groups : 0;
    struct regex_span *groups = ARENA_ARRAY(&re->scratch, struct regex_span, n_groups + 1);
    *ret_found = false;
    if (from > re->n_chars)
        return NULL;
    *ret_found = may_match(re, from) && try_all(re, from, groups, n_groups);
    TRY(over(re));
    for (int i = 0; i < n_spans && *ret_found; i++)
        spans[i] = i <= n_groups ? groups[i] : (struct regex_span){-1, -1};
    return NULL;
}

struct error *types__regex_matches(struct regex *re, bool *ret)
{
    if (re->top->flags & REFERS)
        return types__regex_find(re, 0, NULL, 0, ret);
    *ret = may_match(re, 0);
    return over(re);
}

struct value types__regex_slice(const struct regex *re, struct regex_span span)
{
    size_t from = re->offsets ? re->offsets[span.from] : (size_t)span.from,
           to = re->offsets ? re->offsets[span.to] : (size_t)span.to;
    return value_text(re->text + from, to - from);
}

/* ---- the cache ----------------------------------------------------------------------------------
 */

enum { CACHED = 32, MAX_BYTES = 4 * 1024 * 1024 };

struct cached {
    struct regex *re; /* NULL: a free slot */
    char *pattern;
    size_t len;
    int flags;
    uint64_t used; /* the clock when it was used last */
};

struct cache {
    struct cached slots[CACHED];
    uint64_t clock;
};

static pthread_key_t cache_key;
static pthread_once_t cache_once = PTHREAD_ONCE_INIT;

static void empty_slot(struct cached *c)
{
    if (c->re) {
        arena_done(&c->re->scratch);
        arena_done(&c->re->arena);
        mem_free(c->re);
        mem_free(c->pattern);
    }
    *c = (struct cached){0};
}

static void cache_free(void *p)
{
    struct cache *cache = p;
    for (int i = 0; i < CACHED; i++)
        empty_slot(&cache->slots[i]);
    mem_free(cache);
}

static void make_key(void)
{
    pthread_key_create(&cache_key, cache_free);
}

static struct cache *thread_cache(void)
{
    pthread_once(&cache_once, make_key);
    struct cache *cache = pthread_getspecific(cache_key);
    if (!cache) {
        cache = NEW(struct cache);
        pthread_setspecific(cache_key, cache);
    }
    return cache;
}

/* Does it begin with \A or ^? */
static bool is_anchored(const struct node *n)
{
    while (n->kind == NODE_SEQUENCE)
        n = n->a;
    return n->kind == NODE_HERE && n->here == HERE_TEXT_START;
}

/* Programs of the whole: as it is, and behind anything at all. */
static bool make_programs(struct regex *re)
{
    static const struct node any = {.kind = NODE_SET, .set = SET_ANY},
                             anything = {.kind = NODE_REPEAT, .a = &any, .max = REGEX_FOREVER};
    struct node found = {.kind = NODE_SEQUENCE, .a = &anything, .b = re->top->node};
    re->anchored = is_anchored(re->top->node);
    re->finder = types__regex_program(re, &found);
    return re->finder && program_of(re, re->top);
}

static struct error *compile(const struct value *pattern, int flags, struct regex *re)
{
    int n = 0;
    bool unsupported = false;
    if (pattern->s.n > 4 * REGEX_MAX_PATTERN)
        return error_new("2201B", "invalid regular expression: %s", types__regex_too_complex);
    uint32_t *points = ARENA_ARRAY(&re->arena, uint32_t, pattern->s.n + 1);
    for (size_t i = 0, len; i < pattern->s.n; i += len)
        len = types__utf8_decode(pattern->s.p + i, pattern->s.n - i, &points[n++]);
    re->flags = flags;
    const char *wrong = n > REGEX_MAX_PATTERN ? types__regex_too_complex
                                              : types__regex_parse(re, points, n, &unsupported);
    if (wrong && unsupported)
        return error_hint(error_new(E_UNSUPPORTED, "%s are not supported", wrong),
                          "Write it as an advanced regular expression, with the characters "
                          "themselves.");
    if (!wrong) {
        types__regex_colors(re);
        if (!make_programs(re))
            wrong = types__regex_too_complex;
    }
    return wrong ? error_new("2201B", "invalid regular expression: %s", wrong) : NULL;
}

/* Programs and remembered states grow with use. */
static bool is_too_large(const struct regex *re)
{
    return re->arena.used > MAX_BYTES || re->scratch.used > MAX_BYTES;
}

struct error *types__regex_get(const struct value *pattern, int flags, struct regex **ret)
{
    struct cache *cache = thread_cache();
    struct cached *oldest = &cache->slots[0];
    cache->clock++;
    for (int i = 0; i < CACHED; i++) {
        struct cached *c = &cache->slots[i];
        if (c->re && c->flags == flags && c->len == pattern->s.n &&
            memcmp(c->pattern, pattern->s.p, c->len) == 0) {
            if (is_too_large(c->re)) {
                oldest = c;
                break;
            }
            c->used = cache->clock;
            *ret = c->re;
            return NULL;
        }
        if (c->used < oldest->used)
            oldest = c;
    }
    empty_slot(oldest);
    struct regex *re = NEW(struct regex);
    *oldest = (struct cached){.re = re,
                              .pattern = mem_strndup(pattern->s.p, pattern->s.n),
                              .len = pattern->s.n,
                              .flags = flags,
                              .used = cache->clock};
    struct error *e = compile(pattern, flags, re);
    if (e)
        empty_slot(oldest);
    else
        *ret = re;
    return e;
}
