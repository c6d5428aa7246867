/*
 * Databases, roles, and what runs: there is one database, and whoever is connected owns it.
 */
#include "exec/system.h"

static struct error *give_database(struct exec__maker *m, uint32_t oid, const char *name,
                                   bool is_template)
{
    exec__put_int(m, "oid", oid);
    exec__put_text(m, "datname", name);
    exec__put_int(m, "datdba", EXEC__OWNER);
    exec__put_int(m, "encoding", 6);
    exec__put_char(m, "datlocprovider", 'c');
    exec__put_int(m, "datistemplate", is_template);
    exec__put_int(m, "datallowconn", strcmp(name, "template0") != 0);
    exec__put_int(m, "datconnlimit", -1);
    exec__put_int(m, "datfrozenxid", 1);
    exec__put_int(m, "datminmxid", 1);
    exec__put_int(m, "dattablespace", 1663);
    exec__put_text(m, "datcollate", "C");
    exec__put_text(m, "datctype", "C");
    return exec__give(m);
}

/* Others are always there, whatever their records say. */
static bool is_made(const char *name)
{
    static const char *const always[] = {CATALOG_FIRST_DATABASE, "postgres", "template0",
                                         "template1"};
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        if (strcmp(name, always[i]) == 0)
            return false;
    return true;
}

static struct error *make_pg_database(struct exec__maker *m)
{
    static const char *const always[] = {CATALOG_FIRST_DATABASE, "postgres"};
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        TRY(give_database(m, catalog_database_oid(m->view, always[i]), always[i], false));
    TRY(give_database(m, 1, "template1", true));
    TRY(give_database(m, 4, "template0", true));
    for (size_t i = 0; i < m->view->n_objects; i++) {
        const struct object *o = m->view->objects[i];
        if (o->kind == OBJ_DATABASE && is_made(o->name))
            TRY(give_database(m, catalog_oid(o->id), o->name, false));
    }
    return NULL;
}

static struct error *make_pg_tablespace(struct exec__maker *m)
{
    static const char *const all[] = {"pg_default", "pg_global"};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        exec__put_int(m, "oid", 1663 + (int)i);
        exec__put_text(m, "spcname", all[i]);
        exec__put_int(m, "spcowner", EXEC__OWNER);
        TRY(exec__give(m));
    }
    return NULL;
}

static void put_role(struct exec__maker *m, bool owner)
{
    exec__put_int(m, "oid", owner ? EXEC__OWNER : EXEC__PUBLIC_OWNER);
    exec__put_text(m, "rolname", owner ? m->run->s->user : "pg_database_owner");
    exec__put_int(m, "rolsuper", owner);
    exec__put_int(m, "rolinherit", true);
    exec__put_int(m, "rolcreaterole", owner);
    exec__put_int(m, "rolcreatedb", owner);
    exec__put_int(m, "rolcanlogin", owner);
    exec__put_int(m, "rolreplication", owner);
    exec__put_int(m, "rolbypassrls", owner);
    exec__put_int(m, "rolconnlimit", -1);
}

static struct error *make_pg_authid(struct exec__maker *m)
{
    put_role(m, true);
    TRY(exec__give(m));
    put_role(m, false);
    return exec__give(m);
}

static struct error *make_pg_roles(struct exec__maker *m)
{
    for (int i = 0; i < 2; i++) {
        put_role(m, i == 0);
        exec__put_text(m, "rolpassword", "********");
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_pg_user(struct exec__maker *m)
{
    exec__put_text(m, "usename", m->run->s->user);
    exec__put_int(m, "usesysid", EXEC__OWNER);
    exec__put_int(m, "usecreatedb", true);
    exec__put_int(m, "usesuper", true);
    exec__put_int(m, "userepl", true);
    exec__put_int(m, "usebypassrls", true);
    if (strcmp(m->table->name, "pg_shadow") != 0) /* there is none */
        exec__put_text(m, "passwd", "********");
    return exec__give(m);
}

static struct error *make_pg_group(struct exec__maker *m)
{
    exec__put_text(m, "groname", "pg_database_owner");
    exec__put_int(m, "grosysid", EXEC__PUBLIC_OWNER);
    exec__put_ints(m, "grolist", NULL, 0);
    return exec__give(m);
}

static void put_number(struct exec__maker *m, const char *column, int64_t i)
{
    exec__put_text(m, column, arena_printf(&m->arena, "%lld", (long long)i));
}

static void put_choice(const char *s, size_t n, struct buf *out)
{
    const char *quote = memchr(s, ' ', n) ? "\"" : "";
    buf_printf(out, "%s%s%.*s%s", out->len > 1 ? "," : "", quote, (int)n, s, quote);
}

/* {a,"b c"} of a|b c */
static void put_choices(struct exec__maker *m, const char *choices)
{
    _cleanup_(buf_done) struct buf b = {0};
    if (!choices)
        return;
    buf_puts(&b, "{");
    for (const char *p = choices; *p; p += strcspn(p, "|"), p += *p == '|')
        put_choice(p, strcspn(p, "|"), &b);
    buf_puts(&b, "}");
    exec__put_text(m, "enumvals", arena_strndup(&m->arena, b.data, b.len));
}

static struct error *give_setting(struct exec__maker *m, const struct exec_setting *t)
{
    const char *text = t->text ? t->text : "";
    exec__put_text(m, "name", t->name);
    exec__put_text(m, "setting", t->numeric ? t->value : text);
    exec__put_text(m, "unit", t->unit);
    exec__put_text(m, "category", t->category);
    exec__put_text(m, "short_desc", t->description);
    exec__put_text(m, "context", t->context);
    exec__put_text(m, "vartype", t->type);
    exec__put_text(m, "source", t->changed ? "session" : t->start ? "client" : "default");
    if (t->numeric) {
        put_number(m, "min_val", t->min);
        put_number(m, "max_val", t->max);
    }
    if (strcmp(t->type, "real") == 0) {
        exec__put_text(m, "min_val", arena_printf(&m->arena, "%g", t->least));
        exec__put_text(m, "max_val", arena_printf(&m->arena, "%g", t->most));
    }
    put_choices(m, t->choices);
    exec__put_text(m, "boot_val", t->initial);
    exec__put_text(m, "reset_val", t->start ? t->start : t->initial);
    exec__put_int(m, "pending_restart", false);
    return exec__give(m);
}

static struct error *make_pg_settings(struct exec__maker *m)
{
    const struct exec_session_io *io = &m->run->s->io;
    struct exec_setting t;
    for (int i = 0; io->setting && io->setting(io->ctx, i, &t); i++)
        if (exec__needs_text(m, "name", t.name))
            TRY(give_setting(m, &t));
    return NULL;
}

const struct exec__making exec__making_session[] = {
    {.schema = "pg_catalog", .relation = "pg_settings", .make = make_pg_settings},
    {.schema = "pg_catalog", .relation = "pg_database", .make = make_pg_database},
    {.schema = "pg_catalog", .relation = "pg_tablespace", .make = make_pg_tablespace},
    {.schema = "pg_catalog", .relation = "pg_authid", .make = make_pg_authid},
    {.schema = "pg_catalog", .relation = "pg_roles", .make = make_pg_roles},
    {.schema = "pg_catalog", .relation = "pg_user", .make = make_pg_user},
    {.schema = "pg_catalog", .relation = "pg_shadow", .make = make_pg_user},
    {.schema = "pg_catalog", .relation = "pg_group", .make = make_pg_group},
    {0}};
