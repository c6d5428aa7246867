/*
 * Enums. A value is stored as a number that stands for its label and that sorts as the labels do,
 * with gaps between the numbers, so that SQLite's own order, keys and indexes are the type's, and a
 * label may be added in the middle later. What the labels are the catalog tells (types_add_enum).
 *
 * A type's row is replaced when labels are added or renamed; numbers that were given out stay. So
 * whoever holds an older row looks at the newest.
 */
#include "types/types_int.h"

struct labels {
    int64_t n;
    struct {
        int64_t value;
        int64_t name; /* where it begins, in bytes from the start of all this; 0-terminated */
    } items[];
};

static const struct labels *labels_of(const struct type *t)
{
    const struct type *now = type_by_oid(t->oid);
    return now ? now->data : t->data;
}

static const char *name_of(const struct labels *l, int64_t i)
{
    return (const char *)l + l->items[i].name;
}

static struct error *enum_parse(const struct type *self, const char *s, size_t n, int32_t typmod,
                                struct arena *a, struct value *ret)
{
    const struct labels *l = labels_of(self);
    for (int64_t i = 0; i < l->n; i++) {
        if (strlen(name_of(l, i)) != n || memcmp(name_of(l, i), s, n) != 0)
            continue;
        *ret = value_int(l->items[i].value);
        return NULL;
    }
    return error_new(E_BAD_TEXT, "invalid input value for enum %s: \"%.*s\"",
                     type_label(self->oid, -1, a), (int)MIN(n, (size_t)1000), s);
}

static void enum_print(const struct type *self, const struct value *v, int32_t typmod,
                       struct buf *out)
{
    const struct labels *l = labels_of(self);
    for (int64_t i = 0; i < l->n; i++)
        if (l->items[i].value == v->i)
            buf_puts(out, name_of(l, i));
}

static struct error *enum_recv(const struct type *self, const char *s, size_t n, int32_t typmod,
                               struct arena *a, struct value *ret)
{
    return enum_parse(self, s, n, typmod, a, ret);
}

static void enum_send(const struct type *self, const struct value *v, int32_t typmod,
                      struct buf *out)
{
    enum_print(self, v, typmod, out);
}

static int enum_compare(const struct type *self, const struct value *x, const struct value *y)
{
    return (x->i > y->i) - (x->i < y->i);
}

void types_add_enum(uint32_t oid, uint32_t array, const char *name, const char *sql_name,
                    const struct enum_label *labels, int n)
{
    struct buf b = {0};
    size_t head = sizeof(struct labels) + (size_t)n * sizeof(((struct labels *)NULL)->items[0]);
    buf_reserve(&b, head + 1);
    memset(b.data, 0, head);
    b.len = head;
    for (int i = 0; i < n; i++) {
        int64_t at = (int64_t)b.len;
        buf_append(&b, labels[i].name, strlen(labels[i].name) + 1);
        struct labels *l = (struct labels *)b.data;
        l->n = n;
        l->items[i].value = labels[i].value;
        l->items[i].name = at;
    }
    const struct type t = {.oid = oid,
                           .name = name,
                           .sql_name = sql_name,
                           .size = 4,
                           .category = 'E',
                           .storage = VALUE_INT,
                           .column = true,
                           .array = array,
                           .parse = enum_parse,
                           .print = enum_print,
                           .recv = enum_recv,
                           .send = enum_send,
                           .compare = enum_compare,
                           .data = b.data,
                           .data_size = b.len};
    type_add(&t);
    buf_done(&b);
}

/* ---- functions: the last argument is the type ------------------------------------------------ */

static struct error *labels_arg(const struct value *type, const struct type **ret_type,
                                const struct labels **ret)
{
    *ret_type = type->kind == VALUE_INT ? type_by_oid((uint32_t)type->i) : NULL;
    if (!*ret_type || (*ret_type)->category != 'E')
        return error_new(E_TYPE_MISMATCH, "could not determine actual enum type");
    *ret = labels_of(*ret_type);
    return NULL;
}

static struct error *end_label(const struct value *type, bool last, struct value *ret)
{
    const struct type *t;
    const struct labels *l = NULL;
    TRY(labels_arg(type, &t, &l));
    if (l->n == 0)
        return error_new("55000", "enum %s contains no values", t->sql_name);
    *ret = value_int(l->items[last ? l->n - 1 : 0].value);
    return NULL;
}

static CALL(enum_first)
{
    return end_label(&v[1], false, ret);
}

static CALL(enum_last)
{
    return end_label(&v[1], true, ret);
}

/* Labels from `low` to `high`; NULL: from the first, to the last. */
static struct error *range(const struct value *type, const struct value *low,
                           const struct value *high, struct arena *a, struct value *ret)
{
    const struct type *t;
    const struct labels *l = NULL;
    TRY(labels_arg(type, &t, &l));
    struct array x = {.items = ARENA_ARRAY(a, struct value, l->n + 1)};
    for (int64_t i = 0; i < l->n; i++) {
        int64_t value = l->items[i].value;
        if ((low && low->kind == VALUE_INT && value < low->i) ||
            (high && high->kind == VALUE_INT && value > high->i))
            continue;
        x.items[x.n++] = value_int(value);
    }
    x.n_dims = x.n > 0;
    x.dims[0] = (int32_t)x.n;
    x.lower[0] = 1;
    *ret = types__array_write(t, &x, a);
    return NULL;
}

static CALL(enum_range_all)
{
    return range(&v[1], NULL, NULL, a, ret);
}

static CALL(enum_range_bounds)
{
    return range(&v[2], &v[0], &v[1], a, ret);
}

#define ROW(name_, n, sql, fn, result_)                                                            \
    {                                                                                              \
        .name = name_, .kind = FUNC_SCALAR, .nargs = n, .args = {OID_ANYENUM, OID_ANYENUM},        \
        .result = result_, .typed = true, .sqlite_name = sql, .call = fn                           \
    }

static const struct func rows[] = {
    ROW("enum_first", 1, "enum_first", enum_first, OID_ANYENUM),
    ROW("enum_last", 1, "enum_last", enum_last, OID_ANYENUM),
    ROW("enum_range", 1, "enum_range", enum_range_all, OID_ANYARRAY),
    ROW("enum_range", 2, "enum_range_bounds", enum_range_bounds, OID_ANYARRAY),
};

const struct func_rows types__enum_funcs = {rows, ARRAY_LEN(rows)};
