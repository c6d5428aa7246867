/*
 * Databases, roles, and what runs: there is one database, and whoever is connected owns it.
 */
#include "exec/system.h"

static struct error *make_pg_database(struct exec__maker *m)
{
    exec__put_int(m, "oid", EXEC__DATABASE);
    exec__put_text(m, "datname", m->run->s->database);
    exec__put_int(m, "datdba", EXEC__OWNER);
    exec__put_int(m, "encoding", 6);
    exec__put_char(m, "datlocprovider", 'c');
    exec__put_int(m, "datallowconn", true);
    exec__put_int(m, "datconnlimit", -1);
    exec__put_int(m, "datfrozenxid", 1);
    exec__put_int(m, "datminmxid", 1);
    exec__put_int(m, "dattablespace", 1663);
    exec__put_text(m, "datcollate", "C");
    exec__put_text(m, "datctype", "C");
    return exec__give(m);
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

static void put_role(struct exec__maker *m)
{
    exec__put_int(m, "oid", EXEC__OWNER);
    exec__put_text(m, "rolname", m->run->s->user);
    exec__put_int(m, "rolsuper", true);
    exec__put_int(m, "rolinherit", true);
    exec__put_int(m, "rolcreaterole", true);
    exec__put_int(m, "rolcreatedb", true);
    exec__put_int(m, "rolcanlogin", true);
    exec__put_int(m, "rolreplication", true);
    exec__put_int(m, "rolbypassrls", true);
    exec__put_int(m, "rolconnlimit", -1);
}

static struct error *make_pg_authid(struct exec__maker *m)
{
    put_role(m);
    return exec__give(m);
}

static struct error *make_pg_roles(struct exec__maker *m)
{
    put_role(m);
    exec__put_text(m, "rolpassword", "********");
    return exec__give(m);
}

static struct error *make_pg_user(struct exec__maker *m)
{
    exec__put_text(m, "usename", m->run->s->user);
    exec__put_int(m, "usesysid", EXEC__OWNER);
    exec__put_int(m, "usecreatedb", true);
    exec__put_int(m, "usesuper", true);
    exec__put_int(m, "userepl", true);
    exec__put_int(m, "usebypassrls", true);
    exec__put_text(m, "passwd", "********");
    return exec__give(m);
}

const struct exec__making exec__making_session[] = {
    {.schema = "pg_catalog", .relation = "pg_database", .make = make_pg_database},
    {.schema = "pg_catalog", .relation = "pg_tablespace", .make = make_pg_tablespace},
    {.schema = "pg_catalog", .relation = "pg_authid", .make = make_pg_authid},
    {.schema = "pg_catalog", .relation = "pg_roles", .make = make_pg_roles},
    {.schema = "pg_catalog", .relation = "pg_user", .make = make_pg_user},
    {0}};
