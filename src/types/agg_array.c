/*
 * array_agg(): the text that SQLite holds for the array grows item by item, as array_io.c writes
 * it. Of arrays it makes an array with one more dimension; they must all have one shape.
 */
#include "types/types_int.h"

struct gathered {
    struct buf text;    /* items, or inner arrays with their braces, with commas between */
    struct array shape; /* of the inner ones; no items */
    bool nested;
};

static struct gathered *gathered(struct agg_state *s)
{
    if (!s->s.p)
        s->s.p = (char *)NEW(struct gathered);
    return (struct gathered *)(void *)s->s.p;
}

static void init(struct agg_state *s)
{
    *s = (struct agg_state){0};
}

static struct error *check_size(const struct gathered *g)
{
    return g->text.len > TEXT_MAX_BYTES
               ? error_new("54000", "array size exceeds the maximum allowed")
               : NULL;
}

static struct error *step(struct agg_state *s, const struct value *args, int nargs)
{
    struct gathered *g = gathered(s);
    if (s->count++)
        buf_puts(&g->text, ",");
    types__array_store(&args[0], &g->text);
    return check_size(g);
}

static bool same_shape(const struct array *x, const struct array *y)
{
    bool same = x->n_dims == y->n_dims;
    for (int i = 0; i < x->n_dims && same; i++)
        same = x->dims[i] == y->dims[i] && x->lower[i] == y->lower[i];
    return same;
}

static struct error *not_alike(void)
{
    return error_new(E_ARRAY_SUBSCRIPT, "cannot accumulate arrays of different dimensionality");
}

static struct error *step_array(struct agg_state *s, const struct value *args, int nargs)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct gathered *g = gathered(s);
    struct array x;
    if (args[0].kind == VALUE_NULL)
        return error_new("22004", "cannot accumulate null arrays");
    TRY(types__array_read(type_by_oid(OID_TEXT), &args[0], &a, &x));
    if (!x.n_dims)
        return s->count ? not_alike()
                        : error_new(E_ARRAY_SUBSCRIPT, "cannot accumulate empty arrays");
    if (x.n_dims == ARRAY_MAX_DIMS)
        return error_new("54000",
                         "number of array dimensions (%d) exceeds the maximum allowed (%d)",
                         x.n_dims + 1, ARRAY_MAX_DIMS);
    if (s->count++) {
        if (!same_shape(&g->shape, &x))
            return not_alike();
        buf_puts(&g->text, ",");
    }
    g->nested = true;
    g->shape = x;
    g->shape.items = NULL;
    const char *braces = memchr(args[0].s.p, '{', args[0].s.n);
    buf_append(&g->text, braces, args[0].s.n - (size_t)(braces - args[0].s.p));
    return check_size(g);
}

static struct error *merge(struct agg_state *into, const struct agg_state *from)
{
    const struct gathered *f = (const struct gathered *)(const void *)from->s.p;
    if (!f)
        return NULL;
    struct gathered *g = gathered(into);
    if (into->count && from->count) {
        if (g->nested && !same_shape(&g->shape, &f->shape))
            return not_alike();
        buf_puts(&g->text, ",");
    }
    g->nested = f->nested;
    g->shape = f->shape;
    buf_append(&g->text, f->text.data, f->text.len);
    into->count += from->count;
    return check_size(g);
}

static void print_bounds(const struct gathered *g, uint64_t count, struct buf *out)
{
    bool needed = false;
    for (int i = 0; i < g->shape.n_dims; i++)
        needed |= g->shape.lower[i] != 1;
    if (!needed)
        return;
    buf_printf(out, "[1:%d]", (int)count);
    for (int i = 0; i < g->shape.n_dims; i++)
        buf_printf(out, "[%d:%d]", g->shape.lower[i], g->shape.lower[i] + g->shape.dims[i] - 1);
    buf_puts(out, "=");
}

static struct error * final(struct agg_state *s, struct arena *a, struct value *ret)
{
    const struct gathered *g = (const struct gathered *)(const void *)s->s.p;
    _cleanup_(buf_done) struct buf text = {0};
    if (!s->count || !g)
        return NULL; /* no rows: NULL */
    print_bounds(g, s->count, &text);
    buf_puts(&text, "{");
    buf_append(&text, g->text.data, g->text.len);
    buf_puts(&text, "}");
    *ret = types__text_of(a, &text);
    return NULL;
}

static void done(struct agg_state *s)
{
    struct gathered *g = (struct gathered *)(void *)s->s.p;
    if (g)
        buf_done(&g->text);
    mem_free(g);
    s->s.p = NULL;
}

static const struct agg items_agg = {init, step, merge, final, done};
static const struct agg arrays_agg = {init, step_array, merge, final, done};

#define ARRAY_AGG(arg, sql, ag)                                                                    \
    {                                                                                              \
        .name = "array_agg", .kind = FUNC_AGGREGATE, .nargs = 1, .args = {arg},                    \
        .result = OID_ANYARRAY, .sqlite_name = sql, .over_emit = sql "_over($1)", .agg = &ag       \
    }

static const struct func rows[] = {
    ARRAY_AGG(OID_ANYNONARRAY, "array_agg", items_agg),
    ARRAY_AGG(OID_ANYARRAY, "array_agg_arrays", arrays_agg),
};

const struct func_rows types__array_aggs = {rows, ARRAY_LEN(rows)};
