/*
 * Types, functions, operators, casts: what types/ has, as PostgreSQL's catalogs tell it.
 *
 * Types have PostgreSQL's own object ids. A function's or operator's is made of its name and
 * argument types, so that it stays when others are added; the range is one that neither
 * PostgreSQL's own objects nor the counter of the catalog's come near. Casts are numbered below
 * 16384, where pg_dump looks for what needs no dumping.
 */
#include "exec/system.h"

enum { LAST_TYPE = 10000, FIRST_CAST = 10000 };

/* ---- facts about types that only catalogs tell ---------------------------------------------- */

struct fact {
    uint32_t oid, array;
    const char *io; /* what its input function is called, less "in" */
    char align, storage;
};

static const struct fact facts[] = {{16, 1000, "bool", 'c', 'p'},
                                    {17, 1001, "bytea", 'i', 'x'},
                                    {18, 1002, "char", 'c', 'p'},
                                    {19, 1003, "name", 'c', 'p'},
                                    {20, 1016, "int8", 'd', 'p'},
                                    {21, 1005, "int2", 's', 'p'},
                                    {22, 1006, "int2vector", 'i', 'p'},
                                    {23, 1007, "int4", 'i', 'p'},
                                    {24, 1008, "regproc", 'i', 'p'},
                                    {25, 1009, "text", 'i', 'x'},
                                    {26, 1028, "oid", 'i', 'p'},
                                    {28, 1011, "xid", 'i', 'p'},
                                    {30, 1013, "oidvector", 'i', 'p'},
                                    {114, 199, "json_", 'i', 'x'},
                                    {700, 1021, "float4", 'i', 'p'},
                                    {701, 1022, "float8", 'd', 'p'},
                                    {705, 0, "unknown", 'c', 'p'},
                                    {1042, 1014, "bpchar", 'i', 'x'},
                                    {1043, 1015, "varchar", 'i', 'x'},
                                    {1082, 1182, "date_", 'i', 'p'},
                                    {1083, 1183, "time_", 'd', 'p'},
                                    {1114, 1115, "timestamp_", 'd', 'p'},
                                    {1184, 1185, "timestamptz_", 'd', 'p'},
                                    {1186, 1187, "interval_", 'd', 'p'},
                                    {1266, 1270, "timetz_", 'd', 'p'},
                                    {1700, 1231, "numeric_", 'i', 'm'},
                                    {2202, 2207, "regprocedure", 'i', 'p'},
                                    {2203, 2208, "regoper", 'i', 'p'},
                                    {2204, 2209, "regoperator", 'i', 'p'},
                                    {2205, 2210, "regclass", 'i', 'p'},
                                    {2206, 2211, "regtype", 'i', 'p'},
                                    {2249, 2287, "record_", 'd', 'x'},
                                    {2950, 2951, "uuid_", 'c', 'p'},
                                    {3802, 3807, "jsonb_", 'i', 'x'},
                                    {4089, 4090, "regnamespace", 'i', 'p'},
                                    {4096, 4097, "regrole", 'i', 'p'}};

static const struct fact *fact_of(uint32_t oid)
{
    for (size_t i = 0; i < ARRAY_LEN(facts); i++)
        if (facts[i].oid == oid)
            return &facts[i];
    return NULL;
}

/* The type whose array this is; 0: it is none. */
static uint32_t element_of(uint32_t array)
{
    for (size_t i = 0; i < ARRAY_LEN(facts); i++)
        if (facts[i].array == array)
            return facts[i].oid;
    return 0;
}

bool exec__by_value(const struct type *t)
{
    return t->size == 1 || t->size == 2 || t->size == 4 || t->size == 8;
}

char exec__align(const struct type *t)
{
    const struct fact *f = fact_of(t->oid), *element = fact_of(element_of(t->oid));
    if (element)
        return element->align == 'd' ? 'd' : 'i';
    return f ? f->align : 'i';
}

char exec__storage(const struct type *t)
{
    const struct fact *f = fact_of(t->oid);
    return f ? f->storage : t->size < 0 ? 'x' : 'p';
}

uint32_t exec__collation(const struct type *t)
{
    enum { C = 950 };
    if (t->oid == OID_NAME)
        return C;
    uint32_t element = element_of(t->oid);
    const struct type *e = element ? type_by_oid(element) : t;
    return e && e->category == 'S' && e->oid != OID_UNKNOWN ? EXEC__COLLATION : 0;
}

/* ---- operator classes ----------------------------------------------------------------------- */

static const struct {
    uint32_t oid, family, type;
    const char *name;
} opclasses[] = {{1978, 1976, 23, "int4_ops"},         {1979, 1976, 21, "int2_ops"},
                 {1981, 1989, 26, "oid_ops"},          {3122, 434, 1082, "date_ops"},
                 {3123, 1970, 701, "float8_ops"},      {3124, 1976, 20, "int8_ops"},
                 {3125, 1988, 1700, "numeric_ops"},    {3126, 1994, 25, "text_ops"},
                 {3127, 434, 1184, "timestamptz_ops"}, {3128, 434, 1114, "timestamp_ops"},
                 {10000, 397, 2277, "array_ops"},      {10003, 424, 16, "bool_ops"},
                 {10004, 426, 1042, "bpchar_ops"},     {10006, 428, 17, "bytea_ops"},
                 {10007, 429, 18, "char_ops"},         {10012, 1970, 700, "float4_ops"},
                 {10022, 1982, 1186, "interval_ops"},  {10028, 1994, 19, "name_ops"},
                 {10038, 1996, 1083, "time_ops"},      {10041, 2000, 1266, "timetz_ops"},
                 {10065, 2968, 2950, "uuid_ops"},      {10069, 3522, 3500, "enum_ops"},
                 {10088, 4033, 3802, "jsonb_ops"}};

static const struct {
    uint32_t oid;
    const char *name;
} families[] = {{397, "array_ops"},    {424, "bool_ops"},     {426, "bpchar_ops"},
                {428, "bytea_ops"},    {429, "char_ops"},     {434, "datetime_ops"},
                {1970, "float_ops"},   {1976, "integer_ops"}, {1982, "interval_ops"},
                {1988, "numeric_ops"}, {1989, "oid_ops"},     {1994, "text_ops"},
                {1996, "time_ops"},    {2000, "timetz_ops"},  {2968, "uuid_ops"},
                {3522, "enum_ops"},    {4033, "jsonb_ops"}};

uint32_t exec__opclass(uint32_t type)
{
    if (type == OID_VARCHAR)
        type = OID_TEXT;
    if (element_of(type))
        type = 2277;
    for (size_t i = 0; i < ARRAY_LEN(opclasses); i++)
        if (opclasses[i].type == type)
            return opclasses[i].oid;
    return 0;
}

static struct error *make_pg_opclass(struct exec__maker *m)
{
    for (size_t i = 0; i < ARRAY_LEN(opclasses); i++) {
        exec__put_int(m, "oid", opclasses[i].oid);
        exec__put_int(m, "opcmethod", EXEC__BTREE);
        exec__put_text(m, "opcname", opclasses[i].name);
        exec__put_int(m, "opcnamespace", EXEC__CATALOG);
        exec__put_int(m, "opcowner", EXEC__OWNER);
        exec__put_int(m, "opcfamily", opclasses[i].family);
        exec__put_int(m, "opcintype", opclasses[i].type);
        exec__put_int(m, "opcdefault", true);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_pg_opfamily(struct exec__maker *m)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        exec__put_int(m, "oid", families[i].oid);
        exec__put_int(m, "opfmethod", EXEC__BTREE);
        exec__put_text(m, "opfname", families[i].name);
        exec__put_int(m, "opfnamespace", EXEC__CATALOG);
        exec__put_int(m, "opfowner", EXEC__OWNER);
        TRY(exec__give(m));
    }
    return NULL;
}

/* ---- pg_type -------------------------------------------------------------------------------- */

static void put_io(struct exec__maker *m, const struct type *t)
{
    static const struct {
        const char *column, *suffix;
    } all[] = {
        {"typinput", "in"}, {"typoutput", "out"}, {"typreceive", "recv"}, {"typsend", "send"}};
    const struct fact *f = fact_of(t->oid);
    const char *io = element_of(t->oid) ? "array_" : f ? f->io : NULL;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        exec__put_text(m, all[i].column,
                       io ? arena_printf(&m->arena, "%s%s", io, all[i].suffix)
                          : arena_printf(&m->arena, "%s_%s", t->name, all[i].suffix));
}

static struct error *give_type(struct exec__maker *m, const struct type *t)
{
    const struct fact *f = fact_of(t->oid);
    uint32_t element = element_of(t->oid);
    exec__put_int(m, "oid", t->oid);
    exec__put_text(m, "typname", t->name);
    exec__put_int(m, "typnamespace", EXEC__CATALOG);
    exec__put_int(m, "typowner", EXEC__OWNER);
    exec__put_int(m, "typlen", t->size);
    exec__put_int(m, "typbyval", exec__by_value(t));
    exec__put_char(m, "typtype", t->category == 'P' ? 'p' : 'b');
    exec__put_char(m, "typcategory", t->category);
    exec__put_int(m, "typispreferred", t->preferred);
    exec__put_int(m, "typisdefined", true);
    exec__put_text(m, "typdelim", ",");
    exec__put_text(m, "typsubscript", element ? "array_subscript_handler" : "-");
    exec__put_int(m, "typelem", element);
    exec__put_int(m, "typarray", f && type_by_oid(f->array) ? f->array : 0);
    if (exec__wants(m, "typinput") || exec__wants(m, "typoutput") || exec__wants(m, "typreceive") ||
        exec__wants(m, "typsend"))
        put_io(m, t);
    exec__put_text(m, "typmodin", "-");
    exec__put_text(m, "typmodout", "-");
    exec__put_text(m, "typanalyze", element ? "array_typanalyze" : "-");
    exec__put_char(m, "typalign", exec__align(t));
    exec__put_char(m, "typstorage", exec__storage(t));
    exec__put_int(m, "typtypmod", -1);
    exec__put_int(m, "typcollation", exec__collation(t));
    return exec__give(m);
}

static struct error *make_pg_type(struct exec__maker *m)
{
    for (uint32_t oid = 1; oid < LAST_TYPE; oid++) {
        const struct type *t = exec__needs_int(m, "oid", oid) ? type_by_oid(oid) : NULL;
        if (t && exec__needs_text(m, "typname", t->name))
            TRY(give_type(m, t));
    }
    return NULL;
}

/* ---- functions and operators ---------------------------------------------------------------- */

uint32_t exec__func_oid(const struct func *f)
{
    enum { RANGE = 0x40000000 };
    uint64_t h = 14695981039346656037u; /* FNV */
    for (const char *p = f->name; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    for (int i = 0; i < f->nargs; i++)
        h = (h ^ f->args[i]) * 1099511628211u;
    h = (h ^ ((uint64_t)f->kind + 10 * (uint64_t)f->nargs)) * 1099511628211u;
    return RANGE | ((uint32_t)(h ^ h >> 32) & (RANGE - 1));
}

static void put_arguments(struct exec__maker *m, const struct func *f)
{
    int64_t types[FUNC_MAX_ARGS];
    for (int i = 0; i < f->nargs; i++)
        types[i] = f->args[i];
    exec__put_ints(m, "proargtypes", types, f->nargs);
}

static struct error *give_proc(struct exec__maker *m, const struct func *f)
{
    exec__put_int(m, "oid", exec__func_oid(f));
    exec__put_text(m, "proname", f->name);
    exec__put_int(m, "pronamespace", EXEC__CATALOG);
    exec__put_int(m, "proowner", EXEC__OWNER);
    exec__put_int(m, "prolang", 12);
    exec__put_real(m, "procost", 1);
    exec__put_int(m, "provariadic", f->variadic ? f->args[f->nargs - 1] : 0);
    exec__put_text(m, "prosupport", "-");
    exec__put_char(m, "prokind",
                   f->kind == FUNC_AGGREGATE ? 'a'
                   : f->kind == FUNC_WINDOW  ? 'w'
                                             : 'f');
    exec__put_int(m, "proisstrict", f->strict && f->kind == FUNC_SCALAR);
    exec__put_char(m, "provolatile", f->volatile_ ? 'v' : 'i');
    exec__put_char(m, "proparallel", 's');
    exec__put_int(m, "pronargs", f->nargs);
    exec__put_int(m, "prorettype", f->result);
    put_arguments(m, f);
    exec__put_text(m, "prosrc", f->kind == FUNC_AGGREGATE ? "aggregate_dummy" : f->name);
    return exec__give(m);
}

static struct error *make_pg_proc(struct exec__maker *m)
{
    size_t n;
    const struct func *all = func_table(&n);
    for (size_t i = 0; i < n; i++)
        if (all[i].kind != FUNC_OPERATOR && exec__needs_text(m, "proname", all[i].name))
            TRY(give_proc(m, &all[i]));
    return NULL;
}

static struct error *make_pg_aggregate(struct exec__maker *m)
{
    size_t n;
    const struct func *all = func_table(&n);
    for (size_t i = 0; i < n; i++) {
        if (all[i].kind != FUNC_AGGREGATE)
            continue;
        exec__put_text(m, "aggfnoid", all[i].name);
        exec__put_char(m, "aggkind", 'n');
        exec__put_char(m, "aggfinalmodify", 'r');
        exec__put_char(m, "aggmfinalmodify", 'r');
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_pg_operator(struct exec__maker *m)
{
    size_t n;
    const struct func *all = func_table(&n);
    for (size_t i = 0; i < n; i++) {
        const struct func *f = &all[i];
        if (f->kind != FUNC_OPERATOR || !exec__needs_text(m, "oprname", f->name))
            continue;
        exec__put_int(m, "oid", exec__func_oid(f));
        exec__put_text(m, "oprname", f->name);
        exec__put_int(m, "oprnamespace", EXEC__CATALOG);
        exec__put_int(m, "oprowner", EXEC__OWNER);
        exec__put_char(m, "oprkind", f->nargs == 1 ? 'l' : 'b');
        exec__put_int(m, "oprleft", f->nargs == 1 ? 0 : f->args[0]);
        exec__put_int(m, "oprright", f->args[f->nargs - 1]);
        exec__put_int(m, "oprresult", f->result);
        exec__put_text(m, "oprcode", "-");
        exec__put_text(m, "oprrest", "-");
        exec__put_text(m, "oprjoin", "-");
        TRY(exec__give(m));
    }
    return NULL;
}

/* ---- casts ---------------------------------------------------------------------------------- */

/* To and from strings PostgreSQL goes through the text form, which needs no row. */
static bool is_listed(const struct cast *c)
{
    bool from = type_by_oid(c->from)->category == 'S', to = type_by_oid(c->to)->category == 'S';
    return from == to && c->from != c->to && c->from != OID_UNKNOWN && c->to != OID_UNKNOWN;
}

static struct error *make_pg_cast(struct exec__maker *m)
{
    static const char contexts[] = {
        [CAST_IMPLICIT] = 'i', [CAST_ASSIGNMENT] = 'a', [CAST_EXPLICIT] = 'e'};
    uint32_t types[ARRAY_LEN(facts)], number = FIRST_CAST;
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(facts); i++)
        if (type_by_oid(facts[i].oid))
            types[n++] = facts[i].oid;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++) {
            const struct cast *c = cast_find(types[i], types[k], CAST_EXPLICIT);
            if (!c || !is_listed(c))
                continue;
            exec__put_int(m, "oid", number++);
            exec__put_int(m, "castsource", c->from);
            exec__put_int(m, "casttarget", c->to);
            exec__put_char(m, "castcontext", contexts[c->context]);
            bool binary = !c->func && type_by_oid(c->from)->size == type_by_oid(c->to)->size;
            exec__put_char(m, "castmethod", binary ? 'b' : 'f');
            TRY(exec__give(m));
        }
    }
    return NULL;
}

/* ---- the rest ------------------------------------------------------------------------------- */

static struct error *make_pg_am(struct exec__maker *m)
{
    static const struct {
        uint32_t oid;
        const char *name, *handler;
        char type;
    } all[] = {{EXEC__HEAP, "heap", "heap_tableam_handler", 't'},
               {EXEC__BTREE, "btree", "bthandler", 'i'}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        exec__put_int(m, "oid", all[i].oid);
        exec__put_text(m, "amname", all[i].name);
        exec__put_text(m, "amhandler", all[i].handler);
        exec__put_char(m, "amtype", all[i].type);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_pg_language(struct exec__maker *m)
{
    static const char *const all[] = {"internal", "c", "sql"};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        exec__put_int(m, "oid", 12 + (int)i);
        exec__put_text(m, "lanname", all[i]);
        exec__put_int(m, "lanowner", EXEC__OWNER);
        exec__put_int(m, "lanpltrusted", i == 2);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_pg_collation(struct exec__maker *m)
{
    static const struct {
        uint32_t oid;
        const char *name, *locale;
        char provider;
    } all[] = {{EXEC__COLLATION, "default", NULL, 'd'},
               {950, "C", "C", 'c'},
               {951, "POSIX", "POSIX", 'c'}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        exec__put_int(m, "oid", all[i].oid);
        exec__put_text(m, "collname", all[i].name);
        exec__put_int(m, "collnamespace", EXEC__CATALOG);
        exec__put_int(m, "collowner", EXEC__OWNER);
        exec__put_char(m, "collprovider", all[i].provider);
        exec__put_int(m, "collisdeterministic", true);
        exec__put_int(m, "collencoding", -1);
        exec__put_text(m, "collcollate", all[i].locale);
        exec__put_text(m, "collctype", all[i].locale);
        TRY(exec__give(m));
    }
    return NULL;
}

const struct exec__making exec__making_types[] = {
    {.schema = "pg_catalog", .relation = "pg_type", .make = make_pg_type},
    {.schema = "pg_catalog", .relation = "pg_proc", .make = make_pg_proc},
    {.schema = "pg_catalog", .relation = "pg_aggregate", .make = make_pg_aggregate},
    {.schema = "pg_catalog", .relation = "pg_operator", .make = make_pg_operator},
    {.schema = "pg_catalog", .relation = "pg_cast", .make = make_pg_cast},
    {.schema = "pg_catalog", .relation = "pg_opclass", .make = make_pg_opclass},
    {.schema = "pg_catalog", .relation = "pg_opfamily", .make = make_pg_opfamily},
    {.schema = "pg_catalog", .relation = "pg_am", .make = make_pg_am},
    {.schema = "pg_catalog", .relation = "pg_language", .make = make_pg_language},
    {.schema = "pg_catalog", .relation = "pg_collation", .make = make_pg_collation},
    {0}};
