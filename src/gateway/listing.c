/* Prepared statements, cursors and channels of a session, for its own statements that ask. */
#include "gateway/gateway_int.h"

int listing__prepared(void *ctx, struct arena *a, struct exec_prepared **ret)
{
    const struct session *s = ctx;
    const char *name;
    size_t len;
    void *v;
    int n = 0;
    *ret = ARENA_ARRAY(a, struct exec_prepared, s->statements.len + 1);
    for (size_t i = 0; map_next_key(&s->statements, &i, &name, &len, &v);) {
        const struct statement *st = v;
        const struct entry *e = st->entry;
        (*ret)[n++] = (struct exec_prepared){.name = arena_strndup(a, name, len),
                                             .text = st->text ? st->text
                                                     : e      ? e->text
                                                              : "",
                                             .made = st->made,
                                             .sql = st->text != NULL,
                                             .params = e ? e->param_types : NULL,
                                             .n_params = e ? e->n_params : 0};
    }
    return n;
}

static struct exec_cursor cursor(const struct portal *p, const char *name)
{
    return (struct exec_cursor){.name = name,
                                .text = p->entry ? p->entry->text : "",
                                .made = p->made,
                                .hold = p->hold,
                                .binary = p->binary,
                                .scroll = p->cursor && !p->forward};
}

int listing__cursors(void *ctx, struct arena *a, struct exec_cursor **ret)
{
    const struct session *s = ctx;
    const char *name;
    size_t len;
    void *v;
    int n = 0;
    *ret = ARENA_ARRAY(a, struct exec_cursor, s->portals.len + 1);
    for (size_t i = 0; map_next_key(&s->portals, &i, &name, &len, &v);)
        (*ret)[n++] = cursor(v, arena_strndup(a, name, len));
    if (s->has_unnamed_portal)
        (*ret)[n++] = cursor(&s->unnamed_portal, "");
    return n;
}

int listing__channels(void *ctx, struct arena *a, const char ***ret)
{
    return notify__channels(ctx, a, ret);
}
