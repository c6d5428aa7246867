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

/* ---- aclexplode() ------------------------------------------------------------------------------
 */

struct grants {
    int n, at;
    struct grant {
        struct value grantor, grantee;
        const char *privilege;
        bool option;
    } items[];
};

static const char *privilege_of(char letter)
{
    static const struct {
        char letter;
        const char *name;
    } all[] = {{'a', "INSERT"},   {'r', "SELECT"},      {'w', "UPDATE"},    {'d', "DELETE"},
               {'D', "TRUNCATE"}, {'x', "REFERENCES"},  {'t', "TRIGGER"},   {'X', "EXECUTE"},
               {'U', "USAGE"},    {'C', "CREATE"},      {'T', "TEMPORARY"}, {'c', "CONNECT"},
               {'s', "SET"},      {'A', "ALTER SYSTEM"}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].letter == letter)
            return all[i].name;
    return NULL;
}

static struct error *role(const char *s, size_t n, struct arena *a, struct value *ret)
{
    *ret = value_int(0); /* everybody */
    return n ? type_parse(type_by_oid(OID_REGROLE), s, n, -1, a, ret) : NULL;
}

/* "who=rw*\/by" */
static struct error *explode(const struct value *item, struct arena *a, struct grants *out)
{
    const char *s = item->s.p, *end = s + item->s.n;
    const char *equals = memrchr(s, '=', item->s.n), *slash = memrchr(s, '/', item->s.n);
    struct value grantee, grantor;
    if (!equals || !slash || slash < equals)
        return error_new("22P02", "malformed access control item: \"%.*s\"", (int)item->s.n, s);
    TRY(role(s, (size_t)(equals - s), a, &grantee));
    TRY(role(slash + 1, (size_t)(end - slash - 1), a, &grantor));
    for (const char *p = equals + 1; p < slash; p++) {
        const char *privilege = privilege_of(*p);
        bool option = p + 1 < slash && p[1] == '*';
        if (privilege)
            out->items[out->n++] = (struct grant){grantor, grantee, privilege, option};
    }
    return NULL;
}

static struct error *grants(const struct value *v, int n, struct arena *a, void **ret)
{
    struct array x;
    size_t letters = 0;
    TRY(types__array_read(type_by_oid(OID_ACLITEM), &v[0], a, &x));
    for (size_t i = 0; i < (size_t)x.n; i++)
        letters += x.items[i].kind == VALUE_NULL ? 0 : x.items[i].s.n;
    struct grants *all = arena_alloc(a, sizeof(*all) + letters * sizeof(all->items[0]));
    *all = (struct grants){0};
    for (size_t i = 0; i < (size_t)x.n; i++)
        if (x.items[i].kind != VALUE_NULL)
            TRY(explode(&x.items[i], a, all));
    *ret = all;
    return NULL;
}

static struct error *next_grant(void *state, struct arena *row, struct value *ret, bool *ret_more)
{
    struct grants *all = state;
    *ret_more = all->at < all->n;
    if (!*ret_more)
        return NULL;
    const struct grant *g = &all->items[all->at++];
    ret[0] = g->grantor;
    ret[1] = g->grantee;
    ret[2] = value_text(g->privilege, strlen(g->privilege));
    ret[3] = value_int(g->option);
    return NULL;
}

/* The grammar's own list. */
static const struct {
    const char *word;
    char category;
    bool bare;
} keywords[] = {
#define UNRESERVED_KEYWORD 'U'
#define COL_NAME_KEYWORD 'C'
#define TYPE_FUNC_NAME_KEYWORD 'T'
#define RESERVED_KEYWORD 'R'
#define BARE_LABEL true
#define AS_LABEL false
#define PG_KEYWORD(word, token, category, label) {word, category, label},
#include "parser/kwlist.h"
};

static struct error *no_state(const struct value *v, int n, struct arena *a, void **ret)
{
    *ret = ARENA_NEW(a, size_t);
    return NULL;
}

static struct error *next_keyword(void *state, struct arena *row, struct value *ret, bool *ret_more)
{
    size_t *at = state;
    *ret_more = *at < ARRAY_LEN(keywords);
    if (!*ret_more)
        return NULL;
    const char category = keywords[*at].category;
    const char *text = category == 'U'   ? "unreserved"
                       : category == 'C' ? "unreserved (cannot be function or type name)"
                       : category == 'T' ? "reserved (can be function or type name)"
                                         : "reserved";
    const char *label = keywords[*at].bare ? "can be bare label" : "requires AS";
    ret[0] = value_text(keywords[*at].word, strlen(keywords[*at].word));
    ret[1] = value_text(&keywords[*at].category, 1);
    ret[2] = value_int(keywords[*at].bare);
    ret[3] = value_text(text, strlen(text));
    ret[4] = value_text(label, strlen(label));
    ++*at;
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

static const struct set_column grant_columns[] = {{"grantor", OID_OID},
                                                  {"grantee", OID_OID},
                                                  {"privilege_type", OID_TEXT},
                                                  {"is_grantable", OID_BOOL}};
static const struct set grant_rows = {4, grant_columns, grants, next_grant};

static const struct set_column keyword_columns[] = {{"word", OID_TEXT},
                                                    {"catcode", OID_CHAR},
                                                    {"barelabel", OID_BOOL},
                                                    {"catdesc", OID_TEXT},
                                                    {"baredesc", OID_TEXT}};
static const struct set keyword_rows = {5, keyword_columns, no_state, next_keyword};

#define ROWS(name_, set_, result_, arg)                                                            \
    {                                                                                              \
        .name = name_, .kind = FUNC_SET, .nargs = 1, .args = {arg}, .result = result_,             \
        .strict = true, .set = &set_                                                               \
    }

static const struct func rows[] = {
    ROWS("pg_partition_ancestors", ancestors, OID_REGCLASS, OID_REGCLASS),
    ROWS("pg_partition_tree", tree, OID_RECORD, OID_REGCLASS),
    ROWS("aclexplode", grant_rows, OID_RECORD, 1034),
    ROWS("pg_options_to_table", option_rows, OID_RECORD, OID_TEXT_ARRAY),
    {.name = "pg_get_keywords",
     .kind = FUNC_SET,
     .result = OID_RECORD,
     .strict = true,
     .set = &keyword_rows},
};

const struct func_rows types__system_set_funcs = {rows, ARRAY_LEN(rows)};
