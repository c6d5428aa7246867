/*
 * Arrays of every type: what SQLite holds, the text form, the binary form, the order.
 *
 * SQLite holds an array as TEXT in PostgreSQL's syntax, "{1,2,NULL}", "[2:3]={a,b}",
 * "{{1,2},{3,4}}", whose items are what a column of the element type would hold: a date is its
 * number of days, a bool 1 or 0, a bytea \x and hex digits, and a text is quoted as array_out()
 * does. So it hangs on no setting, comparing needs no parsing of dates, and equal arrays of most
 * types have equal texts. int2vector and oidvector are the same with items from 0, whatever their
 * text form looks like.
 *
 * The scanner follows ArrayCount() of PostgreSQL 15, whose messages depend on its states.
 */
#include "types/types_int.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

/* ---- scanning text ------------------------------------------------------------------------- */

struct item {
    const char *p; /* NULL: the item is NULL */
    size_t n;
};

enum state {
    NO_LEVEL,
    LEVEL_STARTED,
    ITEM_STARTED,
    QUOTED_STARTED,
    QUOTED_DONE,
    ITEM_DELIMITED,
    LEVEL_DONE,
    LEVEL_DELIMITED,
};

struct scan {
    const char *all, *p, *end;
    size_t n_all;
    struct arena *arena;
    enum state state;
    bool in_quotes, plain; /* plain: no quote or backslash in the item, which may be NULL then */
    bool uneven;           /* an item is nested less deeply than one before it */
    int level, depth;      /* nested now; deepest */
    int64_t counts[ARRAY_MAX_DIMS], last[ARRAY_MAX_DIMS];
    char *text; /* the item being read, unescaped; room for all that is left */
    size_t len, trimmed;
    struct item *items;
    size_t n, cap;
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct error *malformed(const struct scan *s, const char *detail)
{
    return error_detail(error_new(E_BAD_TEXT, "malformed array literal: \"%.*s\"",
                                  (int)MIN(s->n_all, 10000), s->all),
                        "%s", detail);
}

static struct error *unexpected(const struct scan *s, char c)
{
    return malformed(s, arena_printf(s->arena, "Unexpected \"%c\" character.", c));
}

static void begin_item(struct scan *s)
{
    s->len = s->trimmed = 0;
    s->plain = true;
}

static void push_item(struct scan *s)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 16;
        struct item *items = ARENA_ARRAY(s->arena, struct item, cap);
        if (s->n)
            memcpy(items, s->items, s->n * sizeof(*items));
        s->items = items;
        s->cap = cap;
    }
    bool null = s->plain && s->trimmed == 4 && strncasecmp(s->text, "NULL", 4) == 0;
    s->items[s->n++] = (struct item){null ? NULL : s->text, s->trimmed};
    s->text += s->trimmed;
    begin_item(s);
}

static void add_byte(struct scan *s, char c, bool counts)
{
    s->text[s->len++] = c;
    if (counts)
        s->trimmed = s->len;
}

static struct error *open_level(struct scan *s)
{
    if (s->state != NO_LEVEL && s->state != LEVEL_STARTED && s->state != LEVEL_DELIMITED)
        return unexpected(s, '{');
    if (s->level >= ARRAY_MAX_DIMS)
        return error_new("54000",
                         "number of array dimensions (%d) exceeds the maximum allowed (%d)",
                         s->level + 1, ARRAY_MAX_DIMS);
    s->state = LEVEL_STARTED;
    s->counts[s->level++] = 1;
    s->depth = MAX(s->depth, s->level);
    return NULL;
}

static bool item_open(const struct scan *s)
{
    return s->state == ITEM_STARTED || s->state == QUOTED_DONE;
}

static struct error *mismatch(const struct scan *s)
{
    return malformed(s, "Multidimensional arrays must have sub-arrays with matching dimensions.");
}

static struct error *close_level(struct scan *s)
{
    bool empty = s->level == 1 && s->state == LEVEL_STARTED;
    if (!item_open(s) && s->state != LEVEL_DONE && !empty)
        return unexpected(s, '}');
    if (item_open(s)) {
        s->uneven |= s->level != s->depth;
        push_item(s);
    }
    s->state = LEVEL_DONE;
    s->level--;
    if (s->last[s->level] && s->counts[s->level] != s->last[s->level])
        return mismatch(s);
    s->last[s->level] = empty ? 0 : s->counts[s->level];
    return NULL;
}

static struct error *delimiter(struct scan *s)
{
    if (!item_open(s) && s->state != LEVEL_DONE)
        return unexpected(s, ',');
    if (item_open(s)) {
        s->uneven |= s->level != s->depth;
        push_item(s);
    }
    s->state = s->state == LEVEL_DONE ? LEVEL_DELIMITED : ITEM_DELIMITED;
    s->counts[s->level - 1]++;
    return NULL;
}

static struct error *escape(struct scan *s)
{
    if (s->state != LEVEL_STARTED && s->state != ITEM_STARTED && s->state != QUOTED_STARTED &&
        s->state != ITEM_DELIMITED)
        return unexpected(s, '\\');
    if (s->state != QUOTED_STARTED)
        s->state = ITEM_STARTED;
    if (++s->p == s->end)
        return malformed(s, "Unexpected end of input.");
    s->plain = false;
    add_byte(s, *s->p, true);
    return NULL;
}

static struct error *quote(struct scan *s)
{
    if (s->state != LEVEL_STARTED && s->state != QUOTED_STARTED && s->state != ITEM_DELIMITED)
        return malformed(s, "Unexpected array element.");
    s->in_quotes = !s->in_quotes;
    s->state = s->in_quotes ? QUOTED_STARTED : QUOTED_DONE;
    s->plain = false;
    s->trimmed = s->len;
    return NULL;
}

static struct error *other(struct scan *s, char c)
{
    if (is_space(c)) {
        if (s->state == ITEM_STARTED)
            add_byte(s, c, false);
        return NULL;
    }
    if (s->state != LEVEL_STARTED && s->state != ITEM_STARTED && s->state != ITEM_DELIMITED)
        return malformed(s, "Unexpected array element.");
    s->state = ITEM_STARTED;
    add_byte(s, c, true);
    return NULL;
}

static struct error *scan_byte(struct scan *s)
{
    char c = *s->p;
    if (c == '\\')
        return escape(s);
    if (c == '"')
        return quote(s);
    if (s->in_quotes) {
        add_byte(s, c, true);
        return NULL;
    }
    return c == '{'   ? open_level(s)
           : c == '}' ? close_level(s)
           : c == ',' ? delimiter(s)
                      : other(s, c);
}

/* From the first brace to the end. */
static struct error *scan_items(struct scan *s)
{
    s->text = arena_alloc(s->arena, (size_t)(s->end - s->p) + 1);
    begin_item(s);
    do {
        if (s->p == s->end)
            return malformed(s, "Unexpected end of input.");
        TRY(scan_byte(s));
        s->p++;
    } while (s->level > 0);
    for (; s->p < s->end; s->p++)
        if (!is_space(*s->p))
            return malformed(s, "Junk after closing right brace.");
    return s->uneven ? mismatch(s) : NULL; /* PostgreSQL 15 would lose items */
}

/* ---- dimensions before the braces ------------------------------------------------------------ */

static void skip_spaces(struct scan *s)
{
    while (s->p < s->end && is_space(*s->p))
        s->p++;
}

/* Digits and signs as they come; what counts is what atoi() makes of them. */
static bool read_number(struct scan *s, int32_t *ret)
{
    const char *start = s->p;
    while (s->p < s->end && ((*s->p >= '0' && *s->p <= '9') || *s->p == '-' || *s->p == '+'))
        s->p++;
    char *text = arena_strndup(s->arena, start, (size_t)(s->p - start));
    *ret = (int32_t)strtol(text, NULL, 10);
    return s->p > start;
}

/* "[2:3]" or "[3]"; the [ is behind us. Whether that is too many is asked when the items are known.
 */
static struct error *read_dimension(struct scan *s, struct array *ret)
{
    int32_t lower = 1, upper;
    if (ret->n_dims == ARRAY_MAX_DIMS)
        return error_new("54000",
                         "number of array dimensions (%d) exceeds the maximum allowed (%d)",
                         ret->n_dims + 1, ARRAY_MAX_DIMS);
    if (!read_number(s, &upper))
        return malformed(s, "\"[\" must introduce explicitly-specified array dimensions.");
    if (s->p < s->end && *s->p == ':') {
        lower = upper;
        s->p++;
        if (!read_number(s, &upper))
            return malformed(s, "Missing array dimension value.");
    }
    if (s->p == s->end || *s->p != ']')
        return malformed(s, "Missing \"]\" after array dimensions.");
    s->p++;
    if (upper < lower)
        return error_new(E_ARRAY_SUBSCRIPT, "upper bound cannot be less than lower bound");
    ret->lower[ret->n_dims] = lower;
    ret->dims[ret->n_dims++] = (int32_t)((int64_t)upper - lower + 1);
    return NULL;
}

static struct error *read_dimensions(struct scan *s, struct array *ret)
{
    for (skip_spaces(s); s->p < s->end && *s->p == '['; skip_spaces(s)) {
        s->p++;
        TRY(read_dimension(s, ret));
    }
    if (ret->n_dims == 0)
        return s->p < s->end && *s->p == '{'
                   ? NULL
                   : malformed(s, "Array value must start with \"{\" or dimension information.");
    if (s->p == s->end || *s->p != '=')
        return malformed(s, "Missing \"=\" after array dimensions.");
    s->p++;
    skip_spaces(s);
    return s->p < s->end && *s->p == '{' ? NULL
                                         : malformed(s, "Array contents must start with \"{\".");
}

/* Text -> items and dimensions; items' values are still to be made. */
static struct error *scan_array(struct scan *s, struct array *ret)
{
    *ret = (struct array){0};
    TRY(read_dimensions(s, ret));
    bool given = ret->n_dims > 0;
    const struct scan whole = *s;
    s->all = s->p; /* of items PostgreSQL reports what is behind the dimensions */
    s->n_all = (size_t)(s->end - s->p);
    TRY(scan_items(s));
    s->all = whole.all;
    s->n_all = whole.n_all;
    if (given && s->n && ret->n_dims != s->depth)
        return malformed(s, "Specified array dimensions do not match array contents.");
    for (int i = 0; i < s->depth && s->n; i++) {
        if (given && ret->dims[i] != s->last[i])
            return malformed(s, "Specified array dimensions do not match array contents.");
        if (given && (int64_t)ret->lower[i] + ret->dims[i] > INT32_MAX)
            return error_new("54000", "array lower bound is too large: %d", ret->lower[i]);
        ret->dims[i] = (int32_t)s->last[i];
        if (!given)
            ret->lower[i] = 1;
    }
    ret->n_dims = s->n ? s->depth : 0;
    if (given && !s->n)
        return malformed(s, "Specified array dimensions do not match array contents.");
    ret->n = s->n;
    ret->items = ARENA_ARRAY(s->arena, struct value, MAX(s->n, (size_t)1));
    return NULL;
}

/* ---- what SQLite holds ------------------------------------------------------------------------
 */

static struct error *read_item(enum value_kind storage, const struct item *i, struct arena *a,
                               struct value *ret)
{
    double r;
    int64_t n;
    if (!i->p) {
        *ret = (struct value){.kind = VALUE_NULL};
        return NULL;
    }
    switch (storage) {
    case VALUE_INT:
        TRY(types__int_parse(i->p, i->n, 8, &n));
        *ret = value_int(n);
        return NULL;
    case VALUE_REAL:
        TRY(types__float_parse(i->p, i->n, false, &r));
        *ret = value_real(r);
        return NULL;
    case VALUE_BLOB:
        return types__bytea_parse(i->p, i->n, -1, a, ret);
    default:
        *ret = value_text(i->p, i->n);
        return NULL;
    }
}

struct error *types__array_read(const struct type *element, const struct value *v, struct arena *a,
                                struct array *ret)
{
    struct scan s = {.arena = a};
    if (v->kind != VALUE_TEXT || !element)
        return error_new(E_DAMAGED, "a value that is no array stands where an array should");
    s.all = s.p = v->s.p;
    s.n_all = v->s.n;
    s.end = s.p + v->s.n;
    struct error *e = scan_array(&s, ret);
    for (size_t i = 0; i < s.n && !e; i++)
        e = read_item(element->storage, &s.items[i], a, &ret->items[i]);
    if (e) {
        error_free(e);
        return error_new(E_DAMAGED, "malformed array of type %s in storage", element->sql_name);
    }
    return NULL;
}

void types__array_quote(const char *s, size_t n, struct buf *out)
{
    bool plain = n > 0 && !(n == 4 && strncasecmp(s, "NULL", 4) == 0);
    for (size_t i = 0; i < n && plain; i++)
        plain = !is_space(s[i]) && !strchr("\"\\{},", s[i]);
    if (plain) {
        buf_append(out, s, n);
        return;
    }
    buf_put8(out, '"');
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '"' || s[i] == '\\')
            buf_put8(out, '\\');
        buf_put8(out, (uint8_t)s[i]);
    }
    buf_put8(out, '"');
}

/* How an item's text is made; typmod for printing. */
typedef void print_item(const struct type *element, const struct value *v, int32_t typmod,
                        struct buf *out);

static void store_item(const struct type *element, const struct value *v, int32_t typmod,
                       struct buf *out)
{
    if (v->kind == VALUE_INT)
        types__int_print(v->i, out);
    else if (v->kind == VALUE_REAL)
        types__float8_print(v->r, out);
    else if (v->kind == VALUE_BLOB)
        types__bytea_print(v, -1, out);
    else
        buf_append(out, v->s.p, v->s.n);
}

void types__array_store(const struct value *v, struct buf *out)
{
    _cleanup_(buf_done) struct buf text = {0};
    if (v->kind == VALUE_NULL) {
        buf_puts(out, "NULL");
        return;
    }
    store_item(NULL, v, -1, &text);
    types__array_quote(text.len ? text.data : "", text.len, out);
}

void types__stored_print(const struct value *v, struct buf *out)
{
    store_item(NULL, v, -1, out);
}

bool types__stored_read(enum value_kind storage, const char *p, size_t n, struct arena *a,
                        struct value *ret)
{
    struct error *e = read_item(storage, &(const struct item){.p = p, .n = n}, a, ret);
    bool ok = !e;
    error_free(e);
    return ok;
}

static void show_item(const struct type *element, const struct value *v, int32_t typmod,
                      struct buf *out)
{
    type_print(element, v, typmod, out);
}

static void print_dimensions(const struct array *x, struct buf *out)
{
    bool needed = false;
    for (int i = 0; i < x->n_dims; i++)
        needed |= x->lower[i] != 1;
    if (!needed)
        return;
    for (int i = 0; i < x->n_dims; i++)
        buf_printf(out, "[%d:%d]", x->lower[i], x->lower[i] + x->dims[i] - 1);
    buf_puts(out, "=");
}

static void print_items(const struct array *x, const struct type *element, int32_t typmod,
                        print_item *print, struct buf *out)
{
    _cleanup_(buf_done) struct buf text = {0};
    size_t inner[ARRAY_MAX_DIMS + 1]; /* items in one sub-array of each level */
    inner[x->n_dims] = 1;
    for (int d = x->n_dims; d-- > 0;)
        inner[d] = inner[d + 1] * (size_t)x->dims[d];
    for (size_t i = 0; i < x->n; i++) {
        buf_puts(out, i ? "," : "");
        for (int d = 0; d < x->n_dims; d++)
            if (i % inner[d] == 0)
                buf_puts(out, "{");
        buf_clear(&text);
        if (x->items[i].kind == VALUE_NULL) {
            buf_puts(out, "NULL");
        } else {
            print(element, &x->items[i], typmod, &text);
            types__array_quote(text.len ? text.data : "", text.len, out);
        }
        for (int d = x->n_dims; d-- > 0;)
            if ((i + 1) % inner[d] == 0)
                buf_puts(out, "}");
    }
}

static void print_array(const struct array *x, const struct type *element, int32_t typmod,
                        print_item *print, struct buf *out)
{
    print_dimensions(x, out);
    if (x->n == 0)
        buf_puts(out, "{}");
    else
        print_items(x, element, typmod, print, out);
}

struct value types__array_write(const struct type *element, const struct array *array,
                                struct arena *a)
{
    _cleanup_(buf_done) struct buf text = {0};
    print_array(array, element, -1, store_item, &text);
    return types__text_of(a, &text);
}

/* ---- the text form ------------------------------------------------------------------------------
 */

struct error *types__array_parse(const struct type *self, const char *s, size_t n, int32_t typmod,
                                 struct arena *a, struct value *ret)
{
    const struct type *element = type_by_oid(self->element);
    struct scan scan = {.all = s, .p = s, .end = s + n, .n_all = n, .arena = a};
    struct array x;
    TRY(types__utf8_check(s, n));
    TRY(scan_array(&scan, &x));
    for (size_t i = 0; i < x.n; i++) {
        const struct item *item = &scan.items[i];
        x.items[i] = (struct value){.kind = VALUE_NULL};
        if (item->p)
            TRY(type_parse(element, item->p, item->n, typmod, a, &x.items[i]));
    }
    *ret = types__array_write(element, &x, a);
    return NULL;
}

/* Arrays of these look as they are stored. */
static bool shown_as_stored(uint32_t element)
{
    static const uint32_t types[] = {OID_INT2,    OID_INT4, OID_INT8,    OID_TEXT,
                                     OID_VARCHAR, OID_NAME, OID_NUMERIC, OID_OID,
                                     OID_UUID,    OID_CIDR, OID_BIT,     OID_VARBIT};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i] == element)
            return true;
    return false;
}

void types__array_print(const struct type *self, const struct value *v, int32_t typmod,
                        struct buf *out)
{
    const struct type *element = type_by_oid(self->element);
    _cleanup_(arena_done) struct arena a = {0};
    struct array x;
    struct error *e = shown_as_stored(self->element) ? NULL : types__array_read(element, v, &a, &x);
    if (e || shown_as_stored(self->element))
        buf_append(out, v->s.p, v->kind == VALUE_TEXT ? v->s.n : 0);
    else
        print_array(&x, element, typmod, show_item, out);
    error_free(e);
}

/* ---- the binary form ----------------------------------------------------------------------------
 */

static struct error *bad_binary(void)
{
    return error_new(E_BAD_BINARY, "incorrect binary data format");
}

static struct error *recv_dimensions(struct reader *r, const struct type *element,
                                     struct array *ret)
{
    int32_t n_dims = (int32_t)read32(r), flags = (int32_t)read32(r);
    uint32_t oid = read32(r);
    if (!reader_ok(r))
        return bad_binary();
    if (n_dims < 0)
        return error_new(E_BAD_BINARY, "invalid number of dimensions: %d", n_dims);
    if (n_dims > ARRAY_MAX_DIMS)
        return error_new("54000",
                         "number of array dimensions (%d) exceeds the maximum allowed (%d)", n_dims,
                         ARRAY_MAX_DIMS);
    if (flags != 0 && flags != 1)
        return error_new(E_BAD_BINARY, "invalid array flags");
    if (oid != element->oid) {
        const struct type *t = type_by_oid(oid);
        return error_new(E_TYPE_MISMATCH,
                         "binary data has array element type %u (%s) instead of expected %u (%s)",
                         oid, t ? t->sql_name : "???", element->oid, element->sql_name);
    }
    uint64_t n = n_dims ? 1 : 0;
    for (int i = 0; i < n_dims; i++) {
        ret->dims[i] = (int32_t)read32(r);
        ret->lower[i] = (int32_t)read32(r);
        if (ret->dims[i] < 0 || ret->dims[i] > ARRAY_MAX_ITEMS ||
            (n *= (uint64_t)ret->dims[i]) > ARRAY_MAX_ITEMS)
            return error_new("54000", "array size exceeds the maximum allowed (%d)",
                             ARRAY_MAX_ITEMS);
        if ((int64_t)ret->lower[i] + ret->dims[i] > INT32_MAX)
            return error_new("54000", "array lower bound is too large: %d", ret->lower[i]);
    }
    if (!reader_ok(r) || n > reader_left(r) / 4)
        return error_new(E_BAD_BINARY, "insufficient data left in message");
    ret->n_dims = n ? n_dims : 0;
    ret->n = n;
    return NULL;
}

static bool is_vector(const struct type *t)
{
    return t->oid == OID_INT2VECTOR || t->oid == OID_OIDVECTOR;
}

struct error *types__array_recv(const struct type *self, const char *s, size_t n, int32_t typmod,
                                struct arena *a, struct value *ret)
{
    const struct type *element = type_by_oid(self->element);
    struct reader r = reader_of(s, n);
    struct array x = {0};
    bool nulls = false;
    TRY(recv_dimensions(&r, element, &x));
    x.items = ARENA_ARRAY(a, struct value, MAX(x.n, (size_t)1));
    for (size_t i = 0; i < x.n; i++) {
        int32_t len = (int32_t)read32(&r);
        x.items[i] = (struct value){.kind = VALUE_NULL};
        nulls |= len == -1;
        if (len == -1 && reader_ok(&r))
            continue;
        const char *p = len >= 0 ? read_bytes(&r, (size_t)len) : NULL;
        if (!p)
            return error_new(E_BAD_BINARY, "insufficient data left in message");
        TRY(type_recv(element, p, (size_t)len, typmod, a, &x.items[i]));
    }
    if (!reader_ok(&r) || reader_left(&r))
        return error_new(E_BAD_BINARY, "improper binary format in array");
    if (is_vector(self) && (x.n_dims != 1 || x.lower[0] != 0 || nulls))
        return error_new(E_BAD_BINARY, "invalid %s data", self->name);
    *ret = types__array_write(element, &x, a);
    return NULL;
}

void types__array_send_item(const struct type *element, const struct value *v, int32_t typmod,
                            struct buf *out)
{
    if (v->kind == VALUE_NULL) {
        buf_put32(out, UINT32_MAX);
        return;
    }
    size_t at = out->len;
    buf_put32(out, 0);
    type_send(element, v, typmod, out);
    uint32_t len = (uint32_t)(out->len - at - 4);
    const char bytes[4] = {(char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len};
    memcpy(out->data + at, bytes, 4);
}

void types__array_send(const struct type *self, const struct value *v, int32_t typmod,
                       struct buf *out)
{
    const struct type *element = type_by_oid(self->element);
    _cleanup_(arena_done) struct arena a = {0};
    struct array x = {0};
    struct error *e = types__array_read(element, v, &a, &x);
    bool nulls = false;
    if (e)
        x = (struct array){0};
    error_free(e);
    for (size_t i = 0; i < x.n; i++)
        nulls |= x.items[i].kind == VALUE_NULL;
    if (is_vector(self))
        x.n_dims = 1; /* also without items */
    buf_put32(out, (uint32_t)x.n_dims);
    buf_put32(out, nulls);
    buf_put32(out, element->oid);
    for (int i = 0; i < x.n_dims; i++) {
        buf_put32(out, (uint32_t)x.dims[i]);
        buf_put32(out, (uint32_t)x.lower[i]);
    }
    for (size_t i = 0; i < x.n; i++)
        types__array_send_item(element, &x.items[i], typmod, out);
}

/* ---- the order ----------------------------------------------------------------------------------
 */

static int order_of(int64_t x, int64_t y)
{
    return (x > y) - (x < y);
}

/* As btarraycmp(): items, NULL last and equal to NULL; then how many; then the shape. */
int types__array_compare(const struct type *element, const struct array *x, const struct array *y)
{
    int order = 0;
    for (size_t i = 0; i < MIN(x->n, y->n) && !order; i++) {
        bool null_x = x->items[i].kind == VALUE_NULL, null_y = y->items[i].kind == VALUE_NULL;
        order =
            null_x || null_y ? null_x - null_y : type_compare(element, &x->items[i], &y->items[i]);
    }
    if (!order)
        order = order_of((int64_t)x->n, (int64_t)y->n);
    if (!order)
        order = order_of(x->n_dims, y->n_dims);
    for (int i = 0; i < x->n_dims && !order; i++)
        order = order_of(x->dims[i], y->dims[i]);
    for (int i = 0; i < x->n_dims && !order; i++)
        order = order_of(x->lower[i], y->lower[i]);
    return order;
}

int types__array_order(const struct type *self, const struct value *v, const struct value *w)
{
    enum { SCRATCH = 4096 };
    const struct type *element = type_by_oid(self->element);
    if (v->s.n == w->s.n && memcmp(v->s.p, w->s.p, v->s.n) == 0)
        return 0;
    _Alignas(16) char scratch[SCRATCH];
    struct arena a = {.next = scratch, .end = scratch + sizeof(scratch)};
    struct array x, y;
    struct error *e = types__array_read(element, v, &a, &x);
    if (!e)
        e = types__array_read(element, w, &a, &y);
    int order = 0;
    if (!e)
        order = types__array_compare(element, &x, &y);
    else if ((order = memcmp(v->s.p, w->s.p, MIN(v->s.n, w->s.n))) == 0)
        order = order_of((int64_t)v->s.n, (int64_t)w->s.n); /* damaged: any order that is one */
    error_free(e);
    if (a.blocks)
        arena_done(&a);
    return order;
}

/* ---- typmods
 * ------------------------------------------------------------------------------------- */

struct error *types__array_fit(const struct type *t, int32_t typmod, bool strict, struct value *v,
                               struct arena *a)
{
    const struct type *element = type_by_oid(t->element);
    const struct func *fit = cast_typmod_func(t->element, strict);
    struct array x;
    if (!fit || typmod < 0)
        return NULL;
    TRY(types__array_read(element, v, a, &x));
    for (size_t i = 0; i < x.n; i++) {
        const struct value args[2] = {x.items[i], value_int(typmod)};
        if (x.items[i].kind != VALUE_NULL)
            TRY(fit->call(args, 2, a, &x.items[i]));
    }
    *v = types__array_write(element, &x, a);
    return NULL;
}

/* ---- int2vector, oidvector
 * ------------------------------------------------------------------------ */

/* An oid of an oidvector ends behind its last digit: "1-2" is 1 and -2. */
static bool ends_oid(const struct type *self, const char *s, size_t n, char next)
{
    return self->oid == OID_OIDVECTOR && n && isdigit((unsigned char)s[n - 1]) &&
           !isdigit((unsigned char)next);
}

struct error *types__vector_parse(const struct type *self, const char *s, size_t n, int32_t typmod,
                                  struct arena *a, struct value *ret)
{
    const struct type *element = type_by_oid(self->element);
    struct array x = {.items = ARENA_ARRAY(a, struct value, n / 2 + 1)};
    for (size_t i = 0; i < n;) {
        size_t start = i;
        while (i < n && !is_space(s[i]) && !ends_oid(self, s + start, i - start, s[i]))
            i++;
        struct error *e =
            i > start ? type_parse(element, s + start, i - start, -1, a, &x.items[x.n++]) : NULL;
        if (!e && i > start && i < n && self->oid == OID_INT2VECTOR && s[i] != ' ')
            e = error_new(E_BAD_TEXT, "only a blank ends a smallint");
        if (e) { /* PostgreSQL's tells of all that is left */
            bool range = error_is(e, E_OUT_OF_RANGE);
            error_free(e);
            int left = (int)MIN(n - start, 1000);
            return range ? error_new(E_OUT_OF_RANGE, "value \"%.*s\" is out of range for type %s",
                                     left, s + start, element->sql_name)
                         : error_new(E_BAD_TEXT, "invalid input syntax for type %s: \"%.*s\"",
                                     element->sql_name, left, s + start);
        }
        while (i < n && is_space(s[i]))
            i++;
    }
    x.n_dims = x.n > 0;
    x.dims[0] = (int32_t)x.n;
    *ret = types__array_write(element, &x, a);
    return NULL;
}

void types__vector_print(const struct type *self, const struct value *v, int32_t typmod,
                         struct buf *out)
{
    const struct type *element = type_by_oid(self->element);
    _cleanup_(arena_done) struct arena a = {0};
    struct array x = {0};
    struct error *e = types__array_read(element, v, &a, &x);
    for (size_t i = 0; i < x.n && !e; i++) {
        buf_puts(out, i ? " " : "");
        type_print(element, &x.items[i], -1, out);
    }
    error_free(e);
}

/* ---- the row
 * -------------------------------------------------------------------------------------- */

void types__array_type(struct type *t, const struct type *element)
{
    t->size = -1;
    t->category = 'A';
    t->storage = VALUE_TEXT;
    t->column = element->column;
    t->parse = types__array_parse;
    t->print = types__array_print;
    t->recv = types__array_recv;
    t->send = types__array_send;
    t->compare = types__array_order;
}
