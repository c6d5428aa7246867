/*
 * Functions and operators over arrays of every type.
 *
 * A row that is `typed` gets the oid of the element type as its last argument, with which the text
 * that SQLite holds is taken apart and put together (array_io.c). Those that look at the shape
 * alone need no type: any text is an item to them. Their NULL rules are array_userfuncs.c's: an
 * array that is NULL is mostly an empty one.
 */
#include "types/types_int.h"

#include <inttypes.h>

#define POLY(n, kind_, count, strict_, sql, fn, result_, ...)                                      \
    {                                                                                              \
        .name = n, .kind = kind_, .nargs = count, .args = {__VA_ARGS__}, .result = result_,        \
        .strict = strict_, .typed = true, .sqlite_name = sql, .call = fn                           \
    }

/* ---- reading and writing ------------------------------------------------------------------------
 */

static const struct type *hidden_type(const struct value *v)
{
    return v->kind == VALUE_INT ? type_by_oid((uint32_t)v->i) : NULL;
}

/* An array, an empty one for NULL. */
static struct error *read_array(const struct type *element, const struct value *v, struct arena *a,
                                struct array *ret)
{
    *ret = (struct array){0};
    if (!element)
        return error_new(E_INTERNAL, "an array function was called without a type");
    return v->kind == VALUE_NULL ? NULL : types__array_read(element, v, a, ret);
}

/* The shape alone: the items are texts. */
static struct error *read_shape(const struct value *v, struct arena *a, struct array *ret)
{
    return types__array_read(type_by_oid(OID_TEXT), v, a, ret);
}

static void one_dimension(struct array *x, size_t n, int32_t lower)
{
    x->n_dims = n > 0;
    x->dims[0] = (int32_t)n;
    x->lower[0] = lower;
    x->n = n;
}

static struct error *check_item(const struct type *element, const struct value *v)
{
    return v->kind == VALUE_NULL || v->kind == element->storage
               ? NULL
               : error_new(E_INTERNAL, "an array function was given a value of another type");
}

static struct error *too_large(void)
{
    return error_new("54000", "array size exceeds the maximum allowed (%d)", ARRAY_MAX_ITEMS);
}

static bool equal_items(const struct type *element, const struct value *x, const struct value *y)
{
    if (x->kind == VALUE_NULL || y->kind == VALUE_NULL)
        return x->kind == y->kind;
    return type_compare(element, x, y) == 0;
}

static struct value *grown(struct arena *a, const struct value *items, size_t n, size_t more)
{
    struct value *all = ARENA_ARRAY(a, struct value, n + more + 1);
    if (n)
        memcpy(all, items, n * sizeof(*items));
    return all;
}

static struct value int_array(struct arena *a, const int64_t *items, size_t n)
{
    struct array x = {.items = ARENA_ARRAY(a, struct value, n + 1)};
    for (size_t i = 0; i < n; i++)
        x.items[i] = value_int(items[i]);
    one_dimension(&x, n, 1);
    return types__array_write(type_by_oid(OID_INT4), &x, a);
}

/* ---- shape --------------------------------------------------------------------------------------
 */

static CALL(array_ndims)
{
    struct array x;
    TRY(read_shape(v, a, &x));
    if (x.n_dims)
        *ret = value_int(x.n_dims);
    return NULL;
}

static CALL(array_dims)
{
    struct array x;
    TRY(read_shape(v, a, &x));
    if (!x.n_dims)
        return NULL;
    _cleanup_(buf_done) struct buf text = {0};
    for (int i = 0; i < x.n_dims; i++)
        buf_printf(&text, "[%d:%d]", x.lower[i], x.lower[i] + x.dims[i] - 1);
    *ret = types__text_of(a, &text);
    return NULL;
}

static CALL(cardinality)
{
    struct array x;
    TRY(read_shape(v, a, &x));
    *ret = value_int((int64_t)x.n);
    return NULL;
}

/* NULL for a dimension that is not there. */
static struct error *bound_of(const struct value *v, struct arena *a, int which, struct value *ret)
{
    struct array x;
    TRY(read_shape(v, a, &x));
    int64_t d = v[1].i - 1;
    if (d < 0 || d >= x.n_dims)
        return NULL;
    *ret = value_int(which == 0 ? x.dims[d] : which == 1 ? x.lower[d] : x.lower[d] + x.dims[d] - 1);
    return NULL;
}

static CALL(array_length)
{
    return bound_of(v, a, 0, ret);
}

static CALL(array_lower)
{
    return bound_of(v, a, 1, ret);
}

static CALL(array_upper)
{
    return bound_of(v, a, 2, ret);
}

/* ---- putting together
 * ----------------------------------------------------------------------------- */

static struct error *not_one_dimension(void)
{
    return error_new("22000", "argument must be empty or one-dimensional array");
}

static struct error *insert_item(const struct value *array, const struct value *item, bool front,
                                 const struct type *element, struct arena *a, struct value *ret)
{
    struct array x;
    TRY(read_array(element, array, a, &x));
    TRY(check_item(element, item));
    if (x.n_dims > 1)
        return not_one_dimension();
    if (x.n >= ARRAY_MAX_ITEMS)
        return too_large();
    struct value *all = ARENA_ARRAY(a, struct value, x.n + 1);
    if (x.n)
        memcpy(all + front, x.items, x.n * sizeof(*all));
    all[front ? 0 : x.n] = *item;
    int32_t lower = x.n ? x.lower[0] : 1;
    x.items = all;
    one_dimension(&x, x.n + 1, lower);
    *ret = types__array_write(element, &x, a);
    return NULL;
}

static CALL(array_append)
{
    return insert_item(&v[0], &v[1], false, hidden_type(&v[2]), a, ret);
}

static CALL(array_prepend)
{
    return insert_item(&v[1], &v[0], true, hidden_type(&v[2]), a, ret);
}

static struct error *not_compatible(const char *detail)
{
    return error_detail(error_new(E_ARRAY_SUBSCRIPT, "cannot concatenate incompatible arrays"),
                        "%s", detail);
}

/* The shape of x || y: two of one shape, or one is an item of the other. */
static struct error *cat_shape(const struct array *x, const struct array *y, struct array *ret)
{
    int deeper = x->n_dims - y->n_dims;
    if (deeper < -1 || deeper > 1)
        return error_detail(error_new(E_ARRAY_SUBSCRIPT, "cannot concatenate incompatible arrays"),
                            "Arrays of %d and %d dimensions are not compatible for concatenation.",
                            x->n_dims, y->n_dims);
    *ret = deeper < 0 ? *y : *x;
    const struct array *other = deeper < 0 ? x : y;
    for (int i = deeper ? 0 : 1; i < other->n_dims; i++) {
        int own = deeper ? i + 1 : i;
        if (ret->dims[own] == other->dims[i] && ret->lower[own] == other->lower[i])
            continue;
        return not_compatible(
            deeper ? "Arrays with differing dimensions are not compatible for concatenation."
                   : "Arrays with differing element dimensions are not compatible for "
                     "concatenation.");
    }
    ret->dims[0] += deeper ? 1 : y->dims[0];
    if (!deeper)
        ret->lower[0] = x->lower[0];
    return NULL;
}

static CALL(array_cat)
{
    const struct type *element = hidden_type(&v[2]);
    struct array x, y, both;
    if (v[0].kind == VALUE_NULL || v[1].kind == VALUE_NULL) {
        *ret = v[0].kind == VALUE_NULL ? v[1] : v[0];
        return NULL;
    }
    TRY(read_array(element, &v[0], a, &x));
    TRY(read_array(element, &v[1], a, &y));
    if (!x.n_dims || !y.n_dims) {
        *ret = y.n_dims ? v[1] : v[0];
        return NULL;
    }
    TRY(cat_shape(&x, &y, &both));
    if (x.n + y.n > ARRAY_MAX_ITEMS)
        return too_large();
    both.items = grown(a, x.items, x.n, y.n);
    memcpy(both.items + x.n, y.items, y.n * sizeof(*y.items));
    both.n = x.n + y.n;
    *ret = types__array_write(element, &both, a);
    return NULL;
}

/* ARRAY[a, b, ..] of items */
static CALL(array_of)
{
    const struct type *element = hidden_type(&v[n - 1]);
    struct array x = {.items = (struct value *)(uintptr_t)v};
    if (!element)
        return error_new(E_INTERNAL, "ARRAY[] without a type");
    for (int i = 0; i < n - 1; i++)
        TRY(check_item(element, &v[i]));
    one_dimension(&x, (size_t)n - 1, 1);
    *ret = types__array_write(element, &x, a);
    return NULL;
}

/* Copies the items of an inner array behind those that are there; all must have one shape. */
static struct error *add_inner(struct array *all, const struct array *inner, bool first,
                               struct arena *a)
{
    bool same = all->n_dims == inner->n_dims + 1;
    for (int i = 0; i < inner->n_dims && same && !first; i++)
        same = all->dims[i + 1] == inner->dims[i] && all->lower[i + 1] == inner->lower[i];
    if (!first && !same)
        return error_new(
            E_ARRAY_SUBSCRIPT,
            "multidimensional arrays must have array expressions with matching dimensions");
    if (first && inner->n_dims == ARRAY_MAX_DIMS)
        return error_new("54000",
                         "number of array dimensions (%d) exceeds the maximum allowed (%d)",
                         inner->n_dims + 1, ARRAY_MAX_DIMS);
    for (int i = 0; i < inner->n_dims && first; i++) {
        all->dims[i + 1] = inner->dims[i];
        all->lower[i + 1] = inner->lower[i];
    }
    all->n_dims = inner->n_dims + 1;
    all->dims[0]++;
    all->items = grown(a, all->items, all->n, inner->n);
    memcpy(all->items + all->n, inner->items, inner->n * sizeof(*inner->items));
    all->n += inner->n;
    return NULL;
}

/* ARRAY[[..], [..]]: empty and NULL ones count as nothing, unless there are others, too. */
static CALL(array_of_arrays)
{
    const struct type *element = hidden_type(&v[n - 1]);
    struct array all = {.lower = {1}}, inner;
    int empty = 0, full = 0;
    for (int i = 0; i < n - 1; i++) {
        TRY(read_array(element, &v[i], a, &inner));
        if (!inner.n_dims) {
            empty++;
            continue;
        }
        TRY(add_inner(&all, &inner, full++ == 0, a));
    }
    if (full && empty)
        return error_new(
            E_ARRAY_SUBSCRIPT,
            "multidimensional arrays must have array expressions with matching dimensions");
    if (all.n > ARRAY_MAX_ITEMS)
        return too_large();
    *ret = types__array_write(element, &all, a);
    return NULL;
}

/* ---- searching and replacing
 * ------------------------------------------------------------------------ */

static CALL(array_remove)
{
    const struct type *element = hidden_type(&v[2]);
    struct array x;
    if (v[0].kind == VALUE_NULL)
        return NULL;
    TRY(read_array(element, &v[0], a, &x));
    TRY(check_item(element, &v[1]));
    if (x.n_dims > 1)
        return error_new(E_UNSUPPORTED,
                         "removing elements from multidimensional arrays is not supported");
    size_t kept = 0;
    for (size_t i = 0; i < x.n; i++)
        if (!equal_items(element, &x.items[i], &v[1]))
            x.items[kept++] = x.items[i];
    if (kept == x.n) {
        *ret = v[0];
        return NULL;
    }
    one_dimension(&x, kept, x.lower[0]);
    *ret = types__array_write(element, &x, a);
    return NULL;
}

static CALL(array_replace)
{
    const struct type *element = hidden_type(&v[3]);
    struct array x;
    if (v[0].kind == VALUE_NULL)
        return NULL;
    TRY(read_array(element, &v[0], a, &x));
    TRY(check_item(element, &v[1]));
    TRY(check_item(element, &v[2]));
    for (size_t i = 0; i < x.n; i++)
        if (equal_items(element, &x.items[i], &v[1]))
            x.items[i] = v[2];
    *ret = types__array_write(element, &x, a);
    return NULL;
}

static struct error *search(const struct value *v, const struct type *element, struct arena *a,
                            struct array *ret)
{
    TRY(read_array(element, &v[0], a, ret));
    TRY(check_item(element, &v[1]));
    if (ret->n_dims > 1)
        return error_new(E_UNSUPPORTED,
                         "searching for elements in multidimensional arrays is not supported");
    return NULL;
}

static CALL(array_position)
{
    const struct type *element = hidden_type(&v[n - 1]);
    struct array x;
    if (v[0].kind == VALUE_NULL)
        return NULL;
    TRY(search(v, element, a, &x));
    bool nulls = false;
    for (size_t i = 0; i < x.n; i++)
        nulls |= x.items[i].kind == VALUE_NULL;
    if (x.n == 0 || (v[1].kind == VALUE_NULL && !nulls))
        return NULL;
    if (n == 4 && v[2].kind == VALUE_NULL)
        return error_new("22004", "initial position must not be null");
    for (size_t i = 0; i < x.n; i++) {
        int64_t at = (int64_t)i + x.lower[0];
        if ((n == 3 || at >= v[2].i) && equal_items(element, &x.items[i], &v[1])) {
            *ret = value_int(at);
            return NULL;
        }
    }
    return NULL;
}

static CALL(array_positions)
{
    const struct type *element = hidden_type(&v[2]);
    struct array x;
    if (v[0].kind == VALUE_NULL)
        return NULL;
    TRY(search(v, element, a, &x));
    int64_t *found = ARENA_ARRAY(a, int64_t, x.n + 1);
    size_t len = 0;
    for (size_t i = 0; i < x.n; i++)
        if (equal_items(element, &x.items[i], &v[1]))
            found[len++] = (int64_t)i + x.lower[0];
    *ret = int_array(a, found, len);
    return NULL;
}

/* ---- sets: @>, <@, &&
 * -------------------------------------------------------------------------------- */

static bool holds(const struct type *element, const struct array *x, const struct value *item)
{
    for (size_t i = 0; i < x->n && item->kind != VALUE_NULL; i++)
        if (x->items[i].kind != VALUE_NULL && type_compare(element, &x->items[i], item) == 0)
            return true;
    return false; /* NULL is equal to nothing here */
}

/* How many items of y does x hold? */
static struct error *count_held(const struct value *x, const struct value *y,
                                const struct value *type, struct arena *a, size_t *ret,
                                size_t *ret_of)
{
    const struct type *element = hidden_type(type);
    struct array all, items;
    TRY(read_array(element, x, a, &all));
    TRY(read_array(element, y, a, &items));
    *ret = 0;
    *ret_of = items.n;
    for (size_t i = 0; i < items.n; i++)
        *ret += holds(element, &all, &items.items[i]);
    return NULL;
}

static CALL(array_contains)
{
    size_t held, of;
    TRY(count_held(&v[0], &v[1], &v[2], a, &held, &of));
    *ret = value_int(held == of);
    return NULL;
}

static CALL(array_contained)
{
    size_t held, of;
    TRY(count_held(&v[1], &v[0], &v[2], a, &held, &of));
    *ret = value_int(held == of);
    return NULL;
}

static CALL(array_overlap)
{
    size_t held, of;
    TRY(count_held(&v[0], &v[1], &v[2], a, &held, &of));
    *ret = value_int(held > 0);
    return NULL;
}

/* ---- text
 * --------------------------------------------------------------------------------------------- */

static CALL(array_to_string)
{
    const struct type *element = hidden_type(&v[n - 1]);
    const struct value *null = n == 4 && v[2].kind != VALUE_NULL ? &v[2] : NULL;
    struct array x;
    if (v[0].kind == VALUE_NULL || v[1].kind == VALUE_NULL)
        return NULL;
    TRY(read_array(element, &v[0], a, &x));
    _cleanup_(buf_done) struct buf text = {0};
    bool first = true;
    for (size_t i = 0; i < x.n; i++) {
        if (x.items[i].kind == VALUE_NULL && !null)
            continue;
        if (!first)
            buf_append(&text, v[1].s.p, v[1].s.n);
        first = false;
        if (x.items[i].kind == VALUE_NULL)
            buf_append(&text, null->s.p, null->s.n);
        else
            type_print(element, &x.items[i], -1, &text);
    }
    *ret = types__text_of(a, &text);
    return NULL;
}

/* The pieces of a text: one each character where there is no delimiter, the whole for an empty one.
 */
struct error *types__split(const struct value *text, const struct value *delimiter,
                           const struct value *null, struct arena *a, struct value **ret,
                           size_t *ret_n)
{
    const char *p = text->s.p, *end = p + text->s.n;
    size_t n = 0, cap = 16;
    struct value *items = ARENA_ARRAY(a, struct value, cap);
    bool chars = delimiter->kind == VALUE_NULL, whole = !chars && delimiter->s.n == 0;
    while (p < end || (n && !chars)) {
        size_t left = (size_t)(end - p);
        const char *at = chars   ? p + types__utf8_prefix(p, left, 1)
                         : whole ? NULL
                                 : memmem(p, left, delimiter->s.p, delimiter->s.n);
        size_t len = at ? (size_t)(at - p) : left;
        if (n == cap) {
            items = grown(a, items, n, n);
            cap *= 2;
        }
        items[n] = value_text(p, len);
        if (null && null->kind == VALUE_TEXT && null->s.n == len && memcmp(null->s.p, p, len) == 0)
            items[n] = (struct value){.kind = VALUE_NULL};
        n++;
        if (!at || (chars && at == end))
            break;
        p = chars ? at : at + delimiter->s.n;
    }
    *ret = items;
    *ret_n = n;
    return NULL;
}

static CALL(string_to_array)
{
    struct array x = {0};
    size_t len = 0;
    if (v[0].kind == VALUE_NULL)
        return NULL;
    TRY(types__split(&v[0], &v[1], n == 3 ? &v[2] : NULL, a, &x.items, &len));
    if (len > ARRAY_MAX_ITEMS)
        return too_large();
    one_dimension(&x, len, 1);
    *ret = types__array_write(type_by_oid(OID_TEXT), &x, a);
    return NULL;
}

/* ---- making and cutting
 * -------------------------------------------------------------------------------- */

static struct error *read_ints(const struct value *v, struct arena *a, struct array *ret)
{
    TRY(read_array(type_by_oid(OID_INT4), v, a, ret));
    if (ret->n_dims > 1)
        return error_detail(error_new(E_ARRAY_SUBSCRIPT, "wrong number of array subscripts"),
                            "Dimension array must be one dimensional.");
    for (size_t i = 0; i < ret->n; i++)
        if (ret->items[i].kind == VALUE_NULL)
            return error_new("22004", "dimension values cannot be null");
    return NULL;
}

static struct error *fill_shape(const struct array *dims, const struct array *lower,
                                struct array *ret)
{
    if (dims->n > ARRAY_MAX_DIMS)
        return error_new("54000",
                         "number of array dimensions (%d) exceeds the maximum allowed (%d)",
                         (int)dims->n, ARRAY_MAX_DIMS);
    if (lower && lower->n != dims->n)
        return error_detail(error_new(E_ARRAY_SUBSCRIPT, "wrong number of array subscripts"),
                            "Low bound array has different size than dimensions array.");
    ret->n_dims = (int)dims->n;
    ret->n = dims->n ? 1 : 0;
    for (size_t i = 0; i < dims->n; i++) {
        int64_t d = dims->items[i].i, low = lower ? lower->items[i].i : 1;
        if (d < 0 || d > ARRAY_MAX_ITEMS || (ret->n *= (size_t)d) > ARRAY_MAX_ITEMS)
            return too_large();
        if (low + d > INT32_MAX)
            return error_new("54000", "array lower bound is too large: %" PRId64, low);
        ret->dims[i] = (int32_t)d;
        ret->lower[i] = (int32_t)low;
    }
    ret->n_dims = ret->n ? ret->n_dims : 0;
    return NULL;
}

static CALL(array_fill)
{
    const struct type *element = hidden_type(&v[n - 1]);
    struct array dims, lower, x = {0};
    if (v[1].kind == VALUE_NULL || (n == 4 && v[2].kind == VALUE_NULL))
        return error_new("22004", "dimension array or low bound array cannot be null");
    TRY(read_ints(&v[1], a, &dims));
    if (n == 4)
        TRY(read_ints(&v[2], a, &lower));
    if (!element)
        return error_new(E_INTERNAL, "array_fill without a type");
    TRY(check_item(element, &v[0]));
    TRY(fill_shape(&dims, n == 4 ? &lower : NULL, &x));
    x.items = ARENA_ARRAY(a, struct value, x.n + 1);
    for (size_t i = 0; i < x.n; i++)
        x.items[i] = v[0];
    *ret = types__array_write(element, &x, a);
    return NULL;
}

static CALL(trim_array)
{
    const struct type *element = hidden_type(&v[2]);
    struct array x;
    TRY(read_array(element, &v[0], a, &x));
    int32_t length = x.n_dims ? x.dims[0] : 0;
    if (v[1].i < 0 || v[1].i > length)
        return error_new("2202E", "number of elements to trim must be between 0 and %d", length);
    if (!length)
        return (*ret = v[0], NULL);
    /* Before the lowest number is the highest one, in PostgreSQL: nothing is trimmed. */
    bool wraps = x.lower[0] == INT32_MIN && v[1].i == length;
    size_t inner = x.n / (size_t)length;
    x.dims[0] -= wraps ? 0 : (int32_t)v[1].i;
    x.lower[0] = 1;
    x.n = inner * (size_t)x.dims[0];
    x.n_dims = x.n ? x.n_dims : 0;
    for (int i = 0; i < x.n_dims; i++)
        x.lower[i] = 1;
    *ret = types__array_write(element, &x, a);
    return NULL;
}

/* A comparison that has no code of its own is by the collation of the type. */
static struct error *compare_item(const struct func *f, const struct type *t, const struct value *v,
                                  struct arena *a, struct value *ret)
{
    if (f->call)
        return f->call(v, 2, a, ret);
    int order = type_compare(t, &v[0], &v[1]);
    bool equal = order == 0, negated = strcmp(f->name, "<>") == 0;
    if (negated || strcmp(f->name, "=") == 0)
        *ret = value_int(equal != negated);
    else
        *ret = value_int(equal ? f->name[1] == '=' : (order < 0) == (*f->name == '<'));
    return NULL;
}

/* x op ANY (array), x op ALL (array), where SQLite takes no subquery: (op, type of x, type of the
 * items, ALL?, x, array) */
static CALL(any_item)
{
    const uint32_t types[2] = {(uint32_t)v[1].i, (uint32_t)v[2].i};
    const struct func *f;
    struct array x;
    bool all = v[3].i, null = false;
    TRY(func_resolve(arena_strndup(a, v[0].s.p, v[0].s.n), FUNC_OPERATOR, types, 2, &f));
    *ret = (struct value){.kind = VALUE_NULL};
    if (v[5].kind == VALUE_NULL)
        return NULL;
    TRY(read_array(type_by_oid(types[1]), &v[5], a, &x));
    for (size_t i = 0; i < x.n; i++) {
        struct value args[2] = {v[4], x.items[i]}, one = {.kind = VALUE_NULL};
        if (!f->strict || (args[0].kind != VALUE_NULL && args[1].kind != VALUE_NULL))
            TRY(compare_item(f, type_by_oid(types[0]), args, a, &one));
        null |= one.kind == VALUE_NULL;
        if (one.kind != VALUE_NULL && (one.i != 0) != all) {
            *ret = value_int(!all);
            return NULL;
        }
    }
    if (!null)
        *ret = value_int(all);
    return NULL;
}

/* ---- subscripts: a[1][2], a[2:3]
 * -------------------------------------------------------------------------- */

/* Where the item of these subscripts lies; false: outside. */
static bool item_at(const struct array *x, const struct value *subscripts, int n, size_t *ret)
{
    size_t at = 0;
    if (n != x->n_dims)
        return false;
    for (int i = 0; i < n; i++) {
        int64_t k = subscripts[i].i - x->lower[i];
        if (k < 0 || k >= x->dims[i])
            return false;
        at = at * (size_t)x->dims[i] + (size_t)k;
    }
    *ret = at;
    return true;
}

/* (array, subscripts.., type) */
static CALL(array_get)
{
    const struct type *element = hidden_type(&v[n - 1]);
    struct array x;
    size_t at;
    TRY(read_array(element, &v[0], a, &x));
    if (item_at(&x, v + 1, n - 2, &at))
        *ret = x.items[at];
    return NULL;
}

struct slice {
    int n;
    int32_t from[ARRAY_MAX_DIMS],
        to[ARRAY_MAX_DIMS]; /* from 0 within each dimension; to included */
    bool empty;
};

/* v: which bounds are left out (bits), and lower and upper of each dimension. */
static void find_slice(const struct array *x, const struct value *v, int n, struct slice *ret)
{
    const struct value *bounds = v + 1;
    *ret = (struct slice){.n = x->n_dims, .empty = n > x->n_dims || !x->n_dims};
    for (int i = 0; i < x->n_dims; i++) {
        int64_t low = x->lower[i], high = low + x->dims[i] - 1;
        if (i < n && !(v->i >> (2 * i) & 1))
            low = MAX(low, bounds[2 * i].i);
        if (i < n && !(v->i >> (2 * i + 1) & 1))
            high = MIN(high, bounds[2 * i + 1].i);
        ret->empty |= low > high;
        ret->from[i] = (int32_t)(low - x->lower[i]);
        ret->to[i] = (int32_t)(high - x->lower[i]);
    }
}

/* The next place within a slice, as digits of a counter; false behind the last. */
static bool step_in(const struct slice *s, int32_t *at)
{
    for (int d = s->n; d-- > 0;) {
        if (++at[d] <= s->to[d])
            return true;
        at[d] = s->from[d];
    }
    return false;
}

static size_t place(const struct array *x, const int32_t *at)
{
    size_t i = 0;
    for (int d = 0; d < x->n_dims; d++)
        i = i * (size_t)x->dims[d] + (size_t)at[d];
    return i;
}

/* (array, left out, lower, upper, lower, upper, .., type): a[l:u][l:u] */
static CALL(array_slice)
{
    const struct type *element = hidden_type(&v[n - 1]);
    struct array x, cut = {0};
    struct slice s;
    for (int i = 0; i < n - 1; i++)
        if (v[i].kind == VALUE_NULL)
            return NULL;
    TRY(read_array(element, &v[0], a, &x));
    find_slice(&x, v + 1, (n - 3) / 2, &s);
    if (!s.empty) {
        int32_t at[ARRAY_MAX_DIMS];
        memcpy(at, s.from, sizeof(at));
        cut.n_dims = x.n_dims;
        cut.items = ARENA_ARRAY(a, struct value, x.n + 1);
        for (int i = 0; i < x.n_dims; i++) {
            cut.dims[i] = s.to[i] - s.from[i] + 1;
            cut.lower[i] = 1;
        }
        do
            cut.items[cut.n++] = x.items[place(&x, at)];
        while (step_in(&s, at));
    }
    *ret = types__array_write(element, &cut, a);
    return NULL;
}

/* Makes room in a one-dimensional array for place `at` (a subscript), with NULLs between. */
static struct error *extend(struct array *x, int64_t at, struct arena *a)
{
    int64_t low = x->n ? x->lower[0] : at, high = x->n ? low + (int64_t)x->n - 1 : at - 1;
    int64_t new_low = MIN(low, at), new_high = MAX(high, at);
    if (new_high - new_low >= ARRAY_MAX_ITEMS || new_high == INT32_MAX)
        return too_large();
    struct value *all = ARENA_ARRAY(a, struct value, new_high - new_low + 1);
    if (x->n)
        memcpy(all + (low - new_low), x->items, x->n * sizeof(*all));
    x->items = all;
    one_dimension(x, (size_t)(new_high - new_low + 1), (int32_t)new_low);
    return NULL;
}

static struct error *out_of_range(void)
{
    return error_new(E_ARRAY_SUBSCRIPT, "array subscript out of range");
}

/* (array, value, subscripts.., type): the array with one item changed */
static CALL(array_set)
{
    const struct type *element = hidden_type(&v[n - 1]);
    struct array x;
    size_t at;
    int subscripts = n - 3;
    for (int i = 0; i < subscripts; i++)
        if (v[2 + i].kind == VALUE_NULL)
            return error_new("22004", "array subscript in assignment must not be null");
    TRY(read_array(element, &v[0], a, &x));
    TRY(check_item(element, &v[1]));
    if (!x.n_dims && subscripts > 1) { /* a new array of one item */
        x.n_dims = subscripts;
        x.n = 1;
        x.items = ARENA_ARRAY(a, struct value, 1);
        for (int i = 0; i < subscripts; i++) {
            x.dims[i] = 1;
            x.lower[i] = (int32_t)v[2 + i].i;
        }
    } else if (x.n_dims <= 1 && subscripts == 1) {
        if (!x.n || v[2].i < x.lower[0] || v[2].i >= (int64_t)x.lower[0] + x.dims[0])
            TRY(extend(&x, v[2].i, a));
    }
    if (x.n_dims != subscripts)
        return error_new(E_ARRAY_SUBSCRIPT, "wrong number of array subscripts");
    if (!item_at(&x, v + 2, subscripts, &at))
        return out_of_range();
    x.items[at] = v[1];
    *ret = types__array_write(element, &x, a);
    return NULL;
}

/* An empty array takes the shape of the slice that is set. */
static struct error *shape_of_slice(struct array *x, const struct value *v, int n, struct arena *a)
{
    x->n = 1;
    for (int i = 0; i < n; i++) {
        int64_t low = v[1 + 2 * i].i, length = v[2 + 2 * i].i - low + 1;
        if (length <= 0)
            return error_new(E_ARRAY_SUBSCRIPT, "upper bound cannot be less than lower bound");
        if (length > ARRAY_MAX_ITEMS || (x->n *= (size_t)length) > ARRAY_MAX_ITEMS ||
            low + length > INT32_MAX)
            return too_large();
        x->dims[i] = (int32_t)length;
        x->lower[i] = (int32_t)low;
    }
    x->n_dims = n;
    x->items = ARENA_ARRAY(a, struct value, x->n);
    return NULL;
}

/* The places to set; an array of one dimension grows for them. v as for find_slice(). */
static struct error *place_slice(struct array *x, const struct value *v, int n, struct arena *a,
                                 struct slice *ret)
{
    for (int i = 0; i < n && !x->n_dims; i++)
        if (v->i >> (2 * i) & 3)
            return error_detail(
                error_new(E_ARRAY_SUBSCRIPT, "array slice subscript must provide both boundaries"),
                "When assigning to a slice of an empty array value, slice boundaries must be fully "
                "specified.");
    if (!x->n_dims)
        TRY(shape_of_slice(x, v, n, a));
    if (x->n_dims < n)
        return error_new(E_ARRAY_SUBSCRIPT, "wrong number of array subscripts");
    *ret = (struct slice){.n = x->n_dims};
    for (int i = 0; i < x->n_dims; i++) {
        bool open_low = i >= n || (v->i >> (2 * i) & 1),
             open_high = i >= n || (v->i >> (2 * i + 1) & 1);
        int64_t low = open_low ? x->lower[i] : v[1 + 2 * i].i;
        int64_t high = open_high ? x->lower[i] + x->dims[i] - 1 : v[2 + 2 * i].i;
        if (low > high)
            return error_new(E_ARRAY_SUBSCRIPT, "upper bound cannot be less than lower bound");
        if (x->n_dims > 1 && (low < x->lower[i] || high >= (int64_t)x->lower[i] + x->dims[i]))
            return out_of_range();
        if (x->n_dims == 1) {
            TRY(extend(x, low, a));
            TRY(extend(x, high, a));
        }
        ret->from[i] = (int32_t)(low - x->lower[i]);
        ret->to[i] = (int32_t)(high - x->lower[i]);
    }
    return NULL;
}

/* (array, items, left out, lower, upper, .., type): a[l:u] = items */
static CALL(array_set_slice)
{
    const struct type *element = hidden_type(&v[n - 1]);
    struct array x, items;
    struct slice s = {0};
    for (int i = 2; i < n - 1; i++)
        if (v[i].kind == VALUE_NULL)
            return error_new("22004", "array subscript in assignment must not be null");
    TRY(read_array(element, &v[0], a, &x));
    if (v[1].kind == VALUE_NULL) {
        *ret = types__array_write(element, &x, a);
        return NULL;
    }
    TRY(read_array(element, &v[1], a, &items));
    TRY(place_slice(&x, v + 2, (n - 4) / 2, a, &s));
    size_t places = 1;
    for (int i = 0; i < s.n; i++)
        places *= (size_t)(s.to[i] - s.from[i] + 1);
    if (items.n < places)
        return error_new(E_ARRAY_SUBSCRIPT, "source array too small");
    int32_t at[ARRAY_MAX_DIMS];
    memcpy(at, s.from, sizeof(at));
    size_t from = 0;
    do
        x.items[place(&x, at)] = items.items[from++];
    while (step_in(&s, at));
    *ret = types__array_write(element, &x, a);
    return NULL;
}

/* ---- types
 * ------------------------------------------------------------------------------------------------
 */

/* How many of the sorted thresholds are at most the value? */
static CALL(width_bucket)
{
    const struct type *element = hidden_type(&v[2]);
    struct array x;
    TRY(read_array(element, &v[1], a, &x));
    TRY(check_item(element, &v[0]));
    if (x.n_dims > 1)
        return error_new(E_ARRAY_SUBSCRIPT, "thresholds must be one-dimensional array");
    for (size_t i = 0; i < x.n; i++)
        if (x.items[i].kind == VALUE_NULL)
            return error_new("22004", "thresholds array must not contain NULLs");
    size_t low = 0, high = x.n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (type_compare(element, &v[0], &x.items[mid]) < 0)
            high = mid;
        else
            low = mid + 1;
    }
    *ret = value_int((int64_t)low);
    return NULL;
}

static CALL(pg_typeof)
{
    *ret = v[n - 1];
    return NULL;
}

/* ---- the rows
 * -----------------------------------------------------------------------------------------------
 */

#define ARRAY OID_ANYARRAY
#define CARRAY OID_ANYCOMPATIBLEARRAY
#define COMPATIBLE OID_ANYCOMPATIBLE
#define FN FUNC_SCALAR
#define OP FUNC_OPERATOR

/* A variadic row counts its subscripts with its last argument. */
#define SUBSCRIPTS(n, strict_, sql, fn, result_, count, ...)                                       \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .nargs = count, .args = {__VA_ARGS__}, .variadic = true,   \
        .result = result_, .strict = strict_, .typed = true, .sqlite_name = sql, .call = fn        \
    }

static const struct func rows[] = {
    SCALAR1("array_ndims", ARRAY, OID_INT4, "array_ndims", array_ndims),
    SCALAR1("array_dims", ARRAY, OID_TEXT, "array_dims", array_dims),
    SCALAR1("cardinality", ARRAY, OID_INT4, "cardinality", cardinality),
    SCALAR2("array_length", ARRAY, OID_INT4, OID_INT4, "array_length", array_length),
    SCALAR2("array_lower", ARRAY, OID_INT4, OID_INT4, "array_lower", array_lower),
    SCALAR2("array_upper", ARRAY, OID_INT4, OID_INT4, "array_upper", array_upper),
    POLY("array_append", FN, 2, false, "array_append", array_append, CARRAY, CARRAY, COMPATIBLE),
    POLY("array_prepend", FN, 2, false, "array_prepend", array_prepend, CARRAY, COMPATIBLE, CARRAY),
    POLY("array_cat", FN, 2, false, "array_cat", array_cat, CARRAY, CARRAY, CARRAY),
    POLY("||", OP, 2, false, "array_append", array_append, CARRAY, CARRAY, COMPATIBLE),
    POLY("||", OP, 2, false, "array_prepend", array_prepend, CARRAY, COMPATIBLE, CARRAY),
    POLY("||", OP, 2, false, "array_cat", array_cat, CARRAY, CARRAY, CARRAY),
    POLY("array_remove", FN, 2, false, "array_remove", array_remove, CARRAY, CARRAY, COMPATIBLE),
    POLY("array_replace", FN, 3, false, "array_replace", array_replace, CARRAY, CARRAY, COMPATIBLE,
         COMPATIBLE),
    POLY("array_position", FN, 2, false, "array_position2", array_position, OID_INT4, CARRAY,
         COMPATIBLE),
    POLY("array_position", FN, 3, false, "array_position3", array_position, OID_INT4, CARRAY,
         COMPATIBLE, OID_INT4),
    POLY("array_positions", FN, 2, false, "array_positions", array_positions, OID_INT4_ARRAY,
         CARRAY, COMPATIBLE),
    POLY("@>", OP, 2, true, "array_contains", array_contains, OID_BOOL, ARRAY, ARRAY),
    POLY("<@", OP, 2, true, "array_contained", array_contained, OID_BOOL, ARRAY, ARRAY),
    POLY("&&", OP, 2, true, "array_overlap", array_overlap, OID_BOOL, ARRAY, ARRAY),
    POLY("array_to_string", FN, 2, false, "array_to_string2", array_to_string, OID_TEXT, ARRAY,
         OID_TEXT),
    POLY("array_to_string", FN, 3, false, "array_to_string3", array_to_string, OID_TEXT, ARRAY,
         OID_TEXT, OID_TEXT),
    {.name = "string_to_array",
     .kind = FUNC_SCALAR,
     .nargs = 2,
     .args = {OID_TEXT, OID_TEXT},
     .result = OID_TEXT_ARRAY,
     .sqlite_name = "string_to_array2",
     .call = string_to_array},
    {.name = "string_to_array",
     .kind = FUNC_SCALAR,
     .nargs = 3,
     .args = {OID_TEXT, OID_TEXT, OID_TEXT},
     .result = OID_TEXT_ARRAY,
     .sqlite_name = "string_to_array3",
     .call = string_to_array},
    POLY("array_fill", FN, 2, false, "array_fill2", array_fill, ARRAY, OID_ANYELEMENT,
         OID_INT4_ARRAY),
    POLY("array_fill", FN, 3, false, "array_fill3", array_fill, ARRAY, OID_ANYELEMENT,
         OID_INT4_ARRAY, OID_INT4_ARRAY),
    POLY("trim_array", FN, 2, true, "trim_array", trim_array, ARRAY, ARRAY, OID_INT4),
    /* what the analyser makes of ARRAY[..] and of subscripts */
    SUBSCRIPTS("minisql_array", false, "minisql_array", array_of, ARRAY, 1, OID_ANYELEMENT),
    SUBSCRIPTS("minisql_array_nested", false, "minisql_array_nested", array_of_arrays, ARRAY, 1,
               ARRAY),
    SUBSCRIPTS("minisql_array_get", true, "minisql_array_get", array_get, OID_ANYELEMENT, 2, ARRAY,
               OID_INT4),
    SUBSCRIPTS("minisql_array_slice", false, "minisql_array_slice", array_slice, ARRAY, 2, ARRAY,
               OID_INT4),
    SUBSCRIPTS("minisql_array_set", false, "minisql_array_set", array_set, ARRAY, 3, ARRAY,
               OID_ANYELEMENT, OID_INT4),
    SUBSCRIPTS("minisql_array_set_slice", false, "minisql_array_set_slice", array_set_slice, ARRAY,
               3, ARRAY, ARRAY, OID_INT4),
    {.name = "minisql_any_item",
     .kind = FUNC_SCALAR,
     .nargs = 6,
     .args = {OID_TEXT, OID_INT8, OID_INT8, OID_BOOL, OID_ANYELEMENT, OID_ANYARRAY},
     .result = OID_BOOL,
     .sqlite_name = "minisql_any_item",
     .call = any_item},
    POLY("width_bucket", FN, 2, true, "width_bucket_array", width_bucket, OID_INT4, COMPATIBLE,
         CARRAY),
    POLY("pg_typeof", FN, 1, false, "pg_typeof", pg_typeof, OID_REGTYPE, OID_ANY),
};

const struct func_rows types__array_funcs = {rows, ARRAY_LEN(rows)};
