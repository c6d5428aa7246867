/*
 * Ranges: int4range, int8range, numrange, daterange, tsrange, tstzrange.
 *
 * In SQLite a range is the text "[1,5)" whose bounds are written as SQLite holds them: numbers of
 * days and microseconds, so that no time zone is in it. None of them needs quotes. A bound that is
 * left out is infinite, and exclusive; "empty" is the empty range. Those of discrete types are kept
 * as [lower,upper), so that equal ones have equal texts. The order is type_compare()'s, by the
 * collation minisql_type_<oid>.
 *
 * The functions are polymorphic: their hidden argument is the type of the bounds.
 */
#include "types/types_int.h"

#include <ctype.h>
#include <strings.h>

struct bound {
    bool infinite, inclusive, lower;
    struct value value;
};

struct range {
    const struct type *of; /* the bounds' type */
    bool empty;
    struct bound low, high;
};

static const struct {
    uint32_t range, of;
} kinds[] = {{OID_INT4RANGE, OID_INT4},    {OID_INT8RANGE, OID_INT8},
             {OID_NUMRANGE, OID_NUMERIC},  {OID_DATERANGE, OID_DATE},
             {OID_TSRANGE, OID_TIMESTAMP}, {OID_TSTZRANGE, OID_TIMESTAMPTZ}};

uint32_t type_range_subtype(uint32_t range)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].range == range)
            return kinds[i].of;
    return 0;
}

/* The row says it, as that of a domain over a range does. */
static const struct type *bounds_type(const struct type *self)
{
    return type_by_oid(*(const uint32_t *)self->data);
}

/* ---- bounds -----------------------------------------------------------------------------------
 */

/* Of the values alone */
static int compare_values(const struct range *r, const struct bound *x, const struct bound *y)
{
    if (x->infinite && y->infinite)
        return x->lower == y->lower ? 0 : x->lower ? -1 : 1;
    if (x->infinite || y->infinite)
        return x->infinite ? (x->lower ? -1 : 1) : (y->lower ? 1 : -1);
    return type_compare(r->of, &x->value, &y->value);
}

/* Of the points where they lie: an exclusive lower bound is a little above its value. */
static int compare_bounds(const struct range *r, const struct bound *x, const struct bound *y)
{
    int order = compare_values(r, x, y);
    if (order || x->infinite)
        return order;
    int left = x->inclusive ? 0 : x->lower ? 1 : -1, right = y->inclusive ? 0 : y->lower ? 1 : -1;
    return (left > right) - (left < right);
}

/* 1 more, for a discrete type: [1,3] is [1,4) */
static struct error *step(const struct type *of, struct bound *b)
{
    bool date = of->oid == OID_DATE;
    if (b->infinite || (date && (b->value.i == DATE_NEVER || b->value.i == DATE_EVER)))
        return NULL;
    if (__builtin_add_overflow(b->value.i, 1, &b->value.i) ||
        (of->oid == OID_INT4 && b->value.i > INT32_MAX))
        return error_new(E_OUT_OF_RANGE, "%s out of range", of->sql_name);
    if (date && !types__date_valid(b->value.i))
        return error_new(E_DATETIME_RANGE, "date out of range");
    b->inclusive = b->lower;
    return NULL;
}

/* Checks, and brings a range to the form in which it is kept. */
static struct error *finish(struct range *r)
{
    bool discrete = r->of->oid == OID_INT4 || r->of->oid == OID_INT8 || r->of->oid == OID_DATE;
    r->low.lower = true;
    r->high.lower = false;
    r->low.inclusive &= !r->low.infinite;
    r->high.inclusive &= !r->high.infinite;
    for (int pass = 0; pass < 2 && !r->empty; pass++) {
        int order = compare_values(r, &r->low, &r->high);
        if (order > 0)
            return error_new("22000",
                             "range lower bound must be less than or equal to range upper bound");
        r->empty = order == 0 && !(r->low.inclusive && r->high.inclusive);
        if (pass || r->empty || !discrete)
            break;
        if (!r->low.inclusive)
            TRY(step(r->of, &r->low));
        if (r->high.inclusive)
            TRY(step(r->of, &r->high));
    }
    return NULL;
}

/* ---- what is stored ----------------------------------------------------------------------------
 */

static void store_bound(const struct bound *b, struct buf *out)
{
    if (b->infinite)
        return;
    if (b->value.kind == VALUE_INT)
        types__int_print(b->value.i, out);
    else
        buf_append(out, b->value.s.p, b->value.s.n);
}

static struct value stored(const struct range *r, struct arena *a)
{
    _cleanup_(buf_done) struct buf text = {0};
    if (r->empty)
        return value_text("empty", 5);
    buf_puts(&text, r->low.inclusive ? "[" : "(");
    store_bound(&r->low, &text);
    buf_puts(&text, ",");
    store_bound(&r->high, &text);
    buf_puts(&text, r->high.inclusive ? "]" : ")");
    return types__text_of(a, &text);
}

static struct error *give(struct range *r, struct arena *a, struct value *ret)
{
    TRY(finish(r));
    *ret = stored(r, a);
    return NULL;
}

static bool read_bound(const struct type *of, const char *p, size_t n, struct bound *ret)
{
    int64_t i = 0;
    ret->infinite = n == 0;
    if (n == 0 || of->storage == VALUE_TEXT) {
        ret->value = value_text(p, n);
        return true;
    }
    struct error *e = types__int_parse(p, n, 8, &i);
    ret->value = value_int(i);
    bool good = !e;
    error_free(e);
    return good;
}

/* The files may have been edited: what is no range is empty. */
static void read_stored(const struct type *of, const struct value *v, struct range *ret)
{
    const char *p = v->s.p, *comma = v->s.n ? memchr(p, ',', v->s.n) : NULL;
    *ret = (struct range){.of = of, .low.lower = true};
    ret->empty = v->s.n < 3 || !comma || comma == p;
    if (ret->empty)
        return;
    const char *end = p + v->s.n - 1;
    ret->low.inclusive = *p == '[';
    ret->high.inclusive = *end == ']';
    ret->empty = !read_bound(of, p + 1, (size_t)(comma - p - 1), &ret->low) || comma >= end ||
                 !read_bound(of, comma + 1, (size_t)(end - comma - 1), &ret->high);
}

static int compare_ranges(const struct range *x, const struct range *y)
{
    if (x->empty || y->empty)
        return y->empty - x->empty;
    int order = compare_bounds(x, &x->low, &y->low);
    return order ? order : compare_bounds(x, &x->high, &y->high);
}

int types__range_compare(const struct type *self, const struct value *x, const struct value *y)
{
    const struct type *of = bounds_type(self);
    struct range r, s;
    read_stored(of, x, &r);
    read_stored(of, y, &s);
    return compare_ranges(&r, &s);
}

/* ---- text --------------------------------------------------------------------------------------
 */

static struct error *malformed(const char *s, size_t n, const char *detail)
{
    return error_detail(
        error_new(E_BAD_TEXT, "malformed range literal: \"%.*s\"", (int)MIN(n, 1000), s), "%s",
        detail);
}

struct scan {
    const char *s, *p, *end;
    size_t n;
    struct arena *arena;
};

static void skip_blanks(struct scan *c)
{
    while (c->p < c->end && isspace((unsigned char)*c->p))
        c->p++;
}

/* Up to a comma or bracket; quotes and backslashes as in an array's items, without those of blanks.
 * The text; what it says is read when all of the range has its form. */
static struct error *take_bound(struct scan *c, struct bound *ret)
{
    bool quoted = false;
    ret->infinite = c->p < c->end && strchr(",)]", *c->p) && *c->p;
    if (ret->infinite)
        return NULL;
    char *text = arena_alloc(c->arena, (size_t)(c->end - c->p) + 1);
    size_t n = 0;
    while (c->p < c->end && (quoted || !strchr(",)]", *c->p))) {
        char ch = *c->p++;
        if (ch == '\\' && c->p < c->end)
            text[n++] = *c->p++;
        else if (ch == '\\')
            return malformed(c->s, c->n, "Unexpected end of input.");
        else if (ch == '"' && quoted && c->p < c->end && *c->p == '"')
            text[n++] = *c->p++;
        else if (ch == '"')
            quoted = !quoted;
        else
            text[n++] = ch;
    }
    if (c->p == c->end)
        return malformed(c->s, c->n, "Unexpected end of input.");
    ret->value = value_text(text, n);
    return NULL;
}

static struct error *parse_bound(const struct type *of, struct bound *b, struct arena *a)
{
    const struct value text = b->value;
    return b->infinite ? NULL : type_parse(of, text.s.p, text.s.n, -1, a, &b->value);
}

static struct error *take_range(struct scan *c, struct range *ret)
{
    skip_blanks(c);
    if (c->end - c->p >= 5 && strncasecmp(c->p, "empty", 5) == 0) {
        ret->empty = true;
        c->p += 5;
        skip_blanks(c);
        return c->p == c->end ? NULL : malformed(c->s, c->n, "Junk after \"empty\" key word.");
    }
    if (c->p == c->end || (*c->p != '[' && *c->p != '('))
        return malformed(c->s, c->n, "Missing left parenthesis or bracket.");
    ret->low.inclusive = *c->p++ == '[';
    TRY(take_bound(c, &ret->low));
    if (c->p == c->end || *c->p != ',')
        return malformed(c->s, c->n, "Missing comma after lower bound.");
    c->p++;
    TRY(take_bound(c, &ret->high));
    if (c->p < c->end && *c->p == ',')
        return malformed(c->s, c->n, "Too many commas.");
    ret->high.inclusive = c->p < c->end && *c->p == ']';
    c->p += c->p < c->end;
    skip_blanks(c);
    return c->p == c->end ? NULL
                          : malformed(c->s, c->n, "Junk after right parenthesis or bracket.");
}

struct error *types__range_parse(const struct type *self, const char *s, size_t n, int32_t typmod,
                                 struct arena *a, struct value *ret)
{
    struct scan c = {.s = s, .p = s, .end = s + n, .n = n, .arena = a};
    struct range r = {.of = bounds_type(self), .low.lower = true};
    TRY(types__utf8_check(s, n));
    TRY(take_range(&c, &r));
    if (!r.empty) {
        TRY(parse_bound(r.of, &r.low, a));
        TRY(parse_bound(r.of, &r.high, a));
    }
    return give(&r, a, ret);
}

static void print_bound(const struct type *of, const struct bound *b, struct buf *out)
{
    _cleanup_(buf_done) struct buf text = {0};
    if (b->infinite)
        return;
    type_print(of, &b->value, -1, &text);
    bool quotes = text.len == 0;
    for (size_t i = 0; i < text.len; i++)
        quotes |= isspace((unsigned char)text.data[i]) || strchr("\"\\()[],", text.data[i]);
    if (!quotes) {
        buf_append(out, text.data, text.len);
        return;
    }
    buf_puts(out, "\"");
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            buf_append(out, &text.data[i], 1);
        buf_append(out, &text.data[i], 1);
    }
    buf_puts(out, "\"");
}

void types__range_print(const struct type *self, const struct value *v, int32_t typmod,
                        struct buf *out)
{
    struct range r;
    read_stored(bounds_type(self), v, &r);
    if (r.empty) {
        buf_puts(out, "empty");
        return;
    }
    buf_puts(out, r.low.inclusive ? "[" : "(");
    print_bound(r.of, &r.low, out);
    buf_puts(out, ",");
    print_bound(r.of, &r.high, out);
    buf_puts(out, r.high.inclusive ? "]" : ")");
}

/* ---- binary: flags, then each bound that there is with its length
 * -------------------------------- */

enum { EMPTY = 1, LOW_INCLUSIVE = 2, HIGH_INCLUSIVE = 4, LOW_INFINITE = 8, HIGH_INFINITE = 16 };

static struct error *receive_bound(struct reader *in, const struct type *of, struct arena *a,
                                   struct bound *b)
{
    if (b->infinite)
        return NULL;
    uint32_t n = read32(in);
    const char *p = reader_ok(in) && n <= reader_left(in) ? read_bytes(in, n) : NULL;
    if (!p)
        return error_new(E_BAD_BINARY, "insufficient data left in message");
    return type_recv(of, p, n, -1, a, &b->value);
}

struct error *types__range_recv(const struct type *self, const char *s, size_t n, int32_t typmod,
                                struct arena *a, struct value *ret)
{
    struct reader in = reader_of(s, n);
    struct range r = {.of = bounds_type(self), .low.lower = true};
    unsigned flags = read8(&in);
    r.empty = flags & EMPTY;
    r.low.inclusive = (flags & LOW_INCLUSIVE) != 0;
    r.high.inclusive = (flags & HIGH_INCLUSIVE) != 0;
    r.low.infinite = (flags & (LOW_INFINITE | EMPTY)) != 0;
    r.high.infinite = (flags & (HIGH_INFINITE | EMPTY)) != 0;
    TRY(receive_bound(&in, r.of, a, &r.low));
    TRY(receive_bound(&in, r.of, a, &r.high));
    if (!reader_ok(&in) || reader_left(&in))
        return error_new(E_BAD_BINARY, "incorrect binary data format");
    return give(&r, a, ret);
}

static void send_bound(const struct type *of, const struct bound *b, struct buf *out)
{
    _cleanup_(buf_done) struct buf bytes = {0};
    if (b->infinite)
        return;
    type_send(of, &b->value, -1, &bytes);
    buf_put32(out, (uint32_t)bytes.len);
    buf_append(out, bytes.data, bytes.len);
}

void types__range_send(const struct type *self, const struct value *v, int32_t typmod,
                       struct buf *out)
{
    struct range r;
    read_stored(bounds_type(self), v, &r);
    unsigned flags = r.empty ? EMPTY
                             : (r.low.inclusive ? LOW_INCLUSIVE : 0u) |
                                   (r.high.inclusive ? HIGH_INCLUSIVE : 0u) |
                                   (r.low.infinite ? LOW_INFINITE : 0u) |
                                   (r.high.infinite ? HIGH_INFINITE : 0u);
    buf_put8(out, (uint8_t)flags);
    if (r.empty)
        return;
    send_bound(r.of, &r.low, out);
    send_bound(r.of, &r.high, out);
}

/* ---- constructors: (lower, upper[, '[)'])
 * --------------------------------------------------------- */

static struct error *construct(uint32_t of, const struct value *v, int n, struct arena *a,
                               struct value *ret)
{
    struct range r = {.of = type_by_oid(of), .low.lower = true, .low.inclusive = true};
    if (n > 2 && v[2].kind == VALUE_NULL)
        return error_new("22000", "range constructor flags argument must not be null");
    if (n > 2) {
        bool good = v[2].s.n == 2 && strchr("[(", v[2].s.p[0]) && strchr("])", v[2].s.p[1]);
        if (!good)
            return error_hint(error_new(E_SYNTAX, "invalid range bound flags"),
                              "Valid values are \"[]\", \"[)\", \"(]\", and \"()\".");
        r.low.inclusive = v[2].s.p[0] == '[';
        r.high.inclusive = v[2].s.p[1] == ']';
    }
    r.low.infinite = v[0].kind == VALUE_NULL;
    r.high.infinite = v[1].kind == VALUE_NULL;
    r.low.value = v[0];
    r.high.value = v[1];
    return give(&r, a, ret);
}

#define DEFINE_CONSTRUCTOR(name, of)                                                               \
    static CALL(name)                                                                              \
    {                                                                                              \
        return construct(of, v, n, a, ret);                                                        \
    }

DEFINE_CONSTRUCTOR(int4range, OID_INT4)
DEFINE_CONSTRUCTOR(int8range, OID_INT8)
DEFINE_CONSTRUCTOR(numrange, OID_NUMERIC)
DEFINE_CONSTRUCTOR(daterange, OID_DATE)
DEFINE_CONSTRUCTOR(tsrange, OID_TIMESTAMP)
DEFINE_CONSTRUCTOR(tstzrange, OID_TIMESTAMPTZ)

/* ---- questions
 * ------------------------------------------------------------------------------------ */

/* The hidden argument is the last. */
static const struct type *bounds_of(const struct value *v, int n)
{
    return type_by_oid((uint32_t)v[n - 1].i);
}

#define DEFINE_QUESTION(name, expr)                                                                \
    static CALL(name)                                                                              \
    {                                                                                              \
        struct range r;                                                                            \
        read_stored(bounds_of(v, n), &v[0], &r);                                                   \
        *ret = value_int(expr);                                                                    \
        return NULL;                                                                               \
    }

DEFINE_QUESTION(range_empty, r.empty)
DEFINE_QUESTION(range_lower_inc, !r.empty && r.low.inclusive)
DEFINE_QUESTION(range_upper_inc, !r.empty && r.high.inclusive)
DEFINE_QUESTION(range_lower_inf, !r.empty && r.low.infinite)
DEFINE_QUESTION(range_upper_inf, !r.empty && r.high.infinite)

static struct error *bound_of(const struct value *v, int n, bool lower, struct value *ret)
{
    struct range r;
    read_stored(bounds_of(v, n), &v[0], &r);
    const struct bound *b = lower ? &r.low : &r.high;
    *ret = r.empty || b->infinite ? (struct value){.kind = VALUE_NULL} : b->value;
    return NULL;
}

static CALL(range_lower)
{
    return bound_of(v, n, true, ret);
}

static CALL(range_upper)
{
    return bound_of(v, n, false, ret);
}

static bool has(const struct range *r, const struct value *x)
{
    const struct bound point = {.inclusive = true, .value = *x};
    return !r->empty && compare_bounds(r, &r->low, &point) <= 0 &&
           compare_bounds(r, &r->high, &point) >= 0;
}

static CALL(range_has)
{
    struct range r;
    read_stored(bounds_of(v, n), &v[0], &r);
    *ret = value_int(has(&r, &v[1]));
    return NULL;
}

static CALL(in_range)
{
    struct range r;
    read_stored(bounds_of(v, n), &v[1], &r);
    *ret = value_int(has(&r, &v[0]));
    return NULL;
}

static bool contains(const struct range *x, const struct range *y)
{
    if (x->empty || y->empty)
        return y->empty;
    return compare_bounds(x, &x->low, &y->low) <= 0 && compare_bounds(x, &x->high, &y->high) >= 0;
}

static bool overlap(const struct range *x, const struct range *y)
{
    return !x->empty && !y->empty && compare_bounds(x, &x->low, &y->high) <= 0 &&
           compare_bounds(x, &y->low, &x->high) <= 0;
}

/* Does `high` end where `low` begins? Ranges of discrete types are [lower,upper). */
static bool touch(const struct range *r, const struct bound *high, const struct bound *low)
{
    return !high->infinite && !low->infinite && compare_values(r, high, low) == 0 &&
           high->inclusive != low->inclusive;
}

static bool adjacent(const struct range *x, const struct range *y)
{
    return !x->empty && !y->empty && (touch(x, &x->high, &y->low) || touch(x, &y->high, &x->low));
}

#define DEFINE_RELATION(name, expr)                                                                \
    static CALL(name)                                                                              \
    {                                                                                              \
        struct range x, y;                                                                         \
        read_stored(bounds_of(v, n), &v[0], &x);                                                   \
        read_stored(bounds_of(v, n), &v[1], &y);                                                   \
        bool both = !x.empty && !y.empty;                                                          \
        (void)both;                                                                                \
        *ret = value_int(expr);                                                                    \
        return NULL;                                                                               \
    }

DEFINE_RELATION(range_contains, contains(&x, &y))
DEFINE_RELATION(range_within, contains(&y, &x))
DEFINE_RELATION(range_overlap, overlap(&x, &y))
DEFINE_RELATION(range_adjacent, adjacent(&x, &y))
DEFINE_RELATION(range_before, both &&compare_bounds(&x, &x.high, &y.low) < 0)
DEFINE_RELATION(range_after, both &&compare_bounds(&x, &x.low, &y.high) > 0)
DEFINE_RELATION(range_not_right, both &&compare_bounds(&x, &x.high, &y.high) <= 0)
DEFINE_RELATION(range_not_left, both &&compare_bounds(&x, &x.low, &y.low) >= 0)

/* ---- new ranges
 * ------------------------------------------------------------------------------------ */

static struct bound least(const struct range *r, const struct bound *x, const struct bound *y)
{
    return compare_bounds(r, x, y) <= 0 ? *x : *y;
}

static struct bound greatest(const struct range *r, const struct bound *x, const struct bound *y)
{
    return compare_bounds(r, x, y) >= 0 ? *x : *y;
}

static struct error *unite(const struct value *v, int n, bool gaps, struct arena *a,
                           struct value *ret)
{
    struct range x, y;
    read_stored(bounds_of(v, n), &v[0], &x);
    read_stored(bounds_of(v, n), &v[1], &y);
    if (x.empty || y.empty) {
        *ret = v[x.empty];
        return NULL;
    }
    if (!gaps && !overlap(&x, &y) && !adjacent(&x, &y))
        return error_new("22000", "result of range union would not be contiguous");
    x.low = least(&x, &x.low, &y.low);
    x.high = greatest(&x, &x.high, &y.high);
    return give(&x, a, ret);
}

static CALL(range_union)
{
    return unite(v, n, false, a, ret);
}

static CALL(range_merge)
{
    return unite(v, n, true, a, ret);
}

static CALL(range_intersection)
{
    struct range x, y;
    read_stored(bounds_of(v, n), &v[0], &x);
    read_stored(bounds_of(v, n), &v[1], &y);
    x.empty = !overlap(&x, &y);
    if (!x.empty) {
        x.low = greatest(&x, &x.low, &y.low);
        x.high = least(&x, &x.high, &y.high);
    }
    return give(&x, a, ret);
}

/* A bound as the other one of what lies beyond it */
static struct bound turned(struct bound b)
{
    b.inclusive = !b.inclusive;
    b.lower = !b.lower;
    return b;
}

static CALL(range_difference)
{
    struct range x, y;
    read_stored(bounds_of(v, n), &v[0], &x);
    read_stored(bounds_of(v, n), &v[1], &y);
    *ret = v[0];
    if (!overlap(&x, &y))
        return NULL;
    bool starts = compare_bounds(&x, &x.low, &y.low) < 0;
    bool ends = compare_bounds(&x, &x.high, &y.high) > 0;
    if (starts && ends)
        return error_new("22000", "result of range difference would not be contiguous");
    if (starts)
        x.high = turned(y.low);
    else if (ends)
        x.low = turned(y.high);
    else
        x.empty = true;
    return give(&x, a, ret);
}

/* ---- rows
 * ------------------------------------------------------------------------------------------- */

#define R OID_ANYRANGE
#define X OID_ANYELEMENT
#define ROW(n, k, count, first, second, r, fn)                                                     \
    {                                                                                              \
        .name = n, .kind = k, .nargs = count, .args = {first, second}, .result = r,                \
        .strict = true, .typed = true, .sqlite_name = #fn, .call = fn                              \
    }
#define OPERATOR(n, first, second, r, fn) ROW(n, FUNC_OPERATOR, 2, first, second, r, fn)
#define FUNCTION(n, r, fn) ROW(n, FUNC_SCALAR, 1, R, 0, r, fn)
#define COMPARE(op) BINARY_EMIT(op, R, R, OID_BOOL, "($1 " op " $2$C)", NULL)
#define CONSTRUCTOR(fn, type, of)                                                                  \
    {.name = #fn,                                                                                  \
     .kind = FUNC_SCALAR,                                                                          \
     .nargs = 2,                                                                                   \
     .args = {of, of},                                                                             \
     .result = type,                                                                               \
     .sqlite_name = #fn "_2",                                                                      \
     .call = fn},                                                                                  \
    {                                                                                              \
        .name = #fn, .kind = FUNC_SCALAR, .nargs = 3, .args = {of, of, OID_TEXT}, .result = type,  \
        .sqlite_name = #fn "_3", .call = fn                                                        \
    }

static const struct func rows[] = {
    COMPARE("="),
    COMPARE("<>"),
    COMPARE("<"),
    COMPARE("<="),
    COMPARE(">"),
    COMPARE(">="),
    CONSTRUCTOR(int4range, OID_INT4RANGE, OID_INT4),
    CONSTRUCTOR(int8range, OID_INT8RANGE, OID_INT8),
    CONSTRUCTOR(numrange, OID_NUMRANGE, OID_NUMERIC),
    CONSTRUCTOR(daterange, OID_DATERANGE, OID_DATE),
    CONSTRUCTOR(tsrange, OID_TSRANGE, OID_TIMESTAMP),
    CONSTRUCTOR(tstzrange, OID_TSTZRANGE, OID_TIMESTAMPTZ),
    FUNCTION("isempty", OID_BOOL, range_empty),
    FUNCTION("lower_inc", OID_BOOL, range_lower_inc),
    FUNCTION("upper_inc", OID_BOOL, range_upper_inc),
    FUNCTION("lower_inf", OID_BOOL, range_lower_inf),
    FUNCTION("upper_inf", OID_BOOL, range_upper_inf),
    FUNCTION("lower", X, range_lower),
    FUNCTION("upper", X, range_upper),
    ROW("range_merge", FUNC_SCALAR, 2, R, R, R, range_merge),
    OPERATOR("@>", R, X, OID_BOOL, range_has),
    OPERATOR("<@", X, R, OID_BOOL, in_range),
    OPERATOR("@>", R, R, OID_BOOL, range_contains),
    OPERATOR("<@", R, R, OID_BOOL, range_within),
    OPERATOR("&&", R, R, OID_BOOL, range_overlap),
    OPERATOR("-|-", R, R, OID_BOOL, range_adjacent),
    OPERATOR("<<", R, R, OID_BOOL, range_before),
    OPERATOR(">>", R, R, OID_BOOL, range_after),
    OPERATOR("&<", R, R, OID_BOOL, range_not_right),
    OPERATOR("&>", R, R, OID_BOOL, range_not_left),
    OPERATOR("+", R, R, R, range_union),
    OPERATOR("*", R, R, R, range_intersection),
    OPERATOR("-", R, R, R, range_difference),
};

const struct func_rows types__range_funcs = {rows, ARRAY_LEN(rows)};
