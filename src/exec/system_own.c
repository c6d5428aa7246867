/*
 * What a session has of its own (prepared statements, cursors, channels), and time zones as clocks
 * are now.
 */
#include "exec/system.h"

static struct error *make_pg_prepared_statements(struct exec__maker *m)
{
    const struct exec_session_io *io = &m->run->s->io;
    struct exec_prepared *all;
    int n = io->prepared ? io->prepared(io->ctx, &m->run->arena, &all) : 0;
    for (int i = 0; i < n; i++) {
        const struct exec_prepared *x = &all[i];
        _cleanup_(buf_done) struct buf types = {0};
        buf_puts(&types, "{");
        for (int k = 0; k < x->n_params; k++)
            buf_printf(&types, "%s\"%s\"", k ? "," : "", x->params[k]->sql_name);
        buf_puts(&types, "}");
        struct value array;
        const struct type *regtypes = type_by_oid(type_by_oid(OID_REGTYPE)->array);
        TRY(type_parse(regtypes, types.data, types.len, -1, &m->arena, &array));
        exec__put_text(m, "name", x->name);
        exec__put_text(m, "statement", x->text);
        exec__put_int(m, "prepare_time", x->made);
        exec__put(m, "parameter_types", array);
        exec__put_int(m, "from_sql", x->sql);
        exec__put_int(m, "generic_plans", 0);
        exec__put_int(m, "custom_plans", 0);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_pg_cursors(struct exec__maker *m)
{
    const struct exec_session_io *io = &m->run->s->io;
    struct exec_cursor *all;
    int n = io->cursors ? io->cursors(io->ctx, &m->run->arena, &all) : 0;
    for (int i = 0; i < n; i++) {
        exec__put_text(m, "name", all[i].name);
        exec__put_text(m, "statement", all[i].text);
        exec__put_int(m, "is_holdable", all[i].hold);
        exec__put_int(m, "is_binary", all[i].binary);
        exec__put_int(m, "is_scrollable", all[i].scroll);
        exec__put_int(m, "creation_time", all[i].made);
        TRY(exec__give(m));
    }
    return NULL;
}

/* What pg_listening_channels() gives. */
static struct error *make_channels(struct exec__maker *m)
{
    const struct exec_session_io *io = &m->run->s->io;
    const char **all;
    int n = io->channels ? io->channels(io->ctx, &m->run->arena, &all) : 0;
    for (int i = 0; i < n; i++) {
        exec__put_text(m, "channel", all[i]);
        TRY(exec__give(m));
    }
    return NULL;
}

/* ---- time zones ------------------------------------------------------------------------------ */

static struct error *put_offset(struct exec__maker *m, const struct zone_time *t)
{
    struct value v;
    const char *text = arena_printf(&m->arena, "%d seconds", t->seconds);
    TRY(type_parse(type_by_oid(OID_INTERVAL), text, strlen(text), -1, &m->arena, &v));
    exec__put(m, "utc_offset", v);
    exec__put_int(m, "is_dst", t->dst);
    return NULL;
}

static struct error *give_zone(void *ctx, const struct zone *z)
{
    struct exec__maker *m = ctx;
    struct zone_time t = zone_time(z, types_now());
    if (!exec__needs_text(m, "name", zone_name(z)))
        return NULL;
    exec__put_text(m, "name", zone_name(z));
    exec__put_text(m, "abbrev", t.abbreviation);
    TRY(put_offset(m, &t));
    return exec__give(m);
}

static struct error *make_pg_timezone_names(struct exec__maker *m)
{
    return zone_each(give_zone, m);
}

static struct error *make_pg_timezone_abbrevs(struct exec__maker *m)
{
    struct zone_time t;
    for (size_t i = 0; zone_word(i, &t); i++) {
        char *upper = arena_strdup(&m->arena, t.abbreviation);
        for (char *p = upper; *p; p++)
            *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
        exec__put_text(m, "abbrev", upper);
        TRY(put_offset(m, &t));
        TRY(exec__give(m));
    }
    return NULL;
}

#define MAKING(name, make_fn)                                                                      \
    {                                                                                              \
        .schema = "pg_catalog", .relation = name, .make = make_fn                                  \
    }

const struct exec__making exec__making_own[] = {
    MAKING("pg_prepared_statements", make_pg_prepared_statements),
    MAKING("pg_cursors", make_pg_cursors),
    MAKING("pg_timezone_names", make_pg_timezone_names),
    MAKING("pg_timezone_abbrevs", make_pg_timezone_abbrevs),
    {"pg_catalog", "minisql_channels", make_channels, 9007, "channel text"},
    {0}};
