/*
 * System functions that return rows. There are no partitions and no inheritance here, so that what
 * tells of them gives none.
 */
#include "types/types_int.h"

static struct error *no_rows(const struct value *v, int n, struct arena *a, void **ret)
{
    *ret = ARENA_NEW(a, struct set_list);
    return NULL;
}

/* {a=b,c=d} -> rows (a, b), (c, d) */
static struct error *options(const struct value *v, int n, struct arena *a, void **ret)
{
    struct set_list *l = ARENA_NEW(a, struct set_list);
    struct array x;
    TRY(types__array_read(type_by_oid(OID_TEXT), &v[0], a, &x));
    l->items = x.items;
    l->n = x.n;
    *ret = l;
    return NULL;
}

static struct error *next_option(void *state, struct arena *row, struct value *ret, bool *ret_more)
{
    struct set_list *l = state;
    *ret_more = l->at < l->n;
    if (!*ret_more)
        return NULL;
    const struct value *item = &l->items[l->at++];
    ret[0] = ret[1] = (struct value){.kind = VALUE_NULL};
    if (item->kind == VALUE_NULL)
        return NULL;
    const char *equals = memchr(item->s.p, '=', item->s.n);
    size_t name = equals ? (size_t)(equals - item->s.p) : item->s.n;
    ret[0] = value_text(item->s.p, name);
    if (equals)
        ret[1] = value_text(equals + 1, item->s.n - name - 1);
    return NULL;
}

static const struct set ancestors = {1, NULL, no_rows, types__set_list_next};
static const struct set_column tree_columns[] = {{"relid", OID_REGCLASS},
                                                 {"parentrelid", OID_REGCLASS},
                                                 {"isleaf", OID_BOOL},
                                                 {"level", OID_INT4}};
static const struct set tree = {4, tree_columns, no_rows, types__set_list_next};
static const struct set_column option_columns[] = {{"option_name", OID_TEXT},
                                                   {"option_value", OID_TEXT}};
static const struct set option_rows = {2, option_columns, options, next_option};

#define ROWS(name_, set_, result_, arg)                                                            \
    {                                                                                              \
        .name = name_, .kind = FUNC_SET, .nargs = 1, .args = {arg}, .result = result_,             \
        .strict = true, .set = &set_                                                               \
    }

static const struct func rows[] = {
    ROWS("pg_partition_ancestors", ancestors, OID_REGCLASS, OID_REGCLASS),
    ROWS("pg_partition_tree", tree, OID_RECORD, OID_REGCLASS),
    ROWS("pg_options_to_table", option_rows, OID_RECORD, OID_TEXT_ARRAY),
};

const struct func_rows types__system_set_funcs = {rows, ARRAY_LEN(rows)};
