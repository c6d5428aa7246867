/*
 * Types, casts and the like: what types/ has, as PostgreSQL's catalogs tell it.
 *
 * Types have PostgreSQL's own object ids. Casts are numbered below 16384, where pg_dump looks for
 * what needs no dumping. The types of relations' rows, and of arrays of them, have the relations'
 * numbers in ranges of their own: nothing can be of such a type here, but clients take a relation
 * without one for an index.
 */
#include "exec/system.h"

enum { LAST_TYPE = 10000, FIRST_CAST = 10000 };

/* ---- facts about types that only catalogs tell ---------------------------------------------- */

struct fact {
    uint32_t oid;
    const char *io; /* what its input function is called, less "in" */
    char align, storage;
};

static const struct fact facts[] = {
    {16, "bool", 'c', 'p'},         {17, "bytea", 'i', 'x'},
    {18, "char", 'c', 'p'},         {19, "name", 'c', 'p'},
    {20, "int8", 'd', 'p'},         {21, "int2", 's', 'p'},
    {22, "int2vector", 'i', 'p'},   {23, "int4", 'i', 'p'},
    {24, "regproc", 'i', 'p'},      {25, "text", 'i', 'x'},
    {26, "oid", 'i', 'p'},          {28, "xid", 'i', 'p'},
    {30, "oidvector", 'i', 'p'},    {114, "json_", 'i', 'x'},
    {650, "cidr_", 'i', 'm'},       {700, "float4", 'i', 'p'},
    {701, "float8", 'd', 'p'},      {705, "unknown", 'c', 'p'},
    {790, "cash_", 'd', 'p'},       {774, "macaddr8_", 'i', 'p'},
    {829, "macaddr_", 'i', 'p'},    {869, "inet_", 'i', 'm'},
    {1042, "bpchar", 'i', 'x'},     {1043, "varchar", 'i', 'x'},
    {1082, "date_", 'i', 'p'},      {1083, "time_", 'd', 'p'},
    {1114, "timestamp_", 'd', 'p'}, {1184, "timestamptz_", 'd', 'p'},
    {1186, "interval_", 'd', 'p'},  {1266, "timetz_", 'd', 'p'},
    {1560, "bit_", 'i', 'x'},       {1562, "varbit_", 'i', 'x'},
    {1700, "numeric_", 'i', 'm'},   {2202, "regprocedure", 'i', 'p'},
    {2203, "regoper", 'i', 'p'},    {2204, "regoperator", 'i', 'p'},
    {2205, "regclass", 'i', 'p'},   {2206, "regtype", 'i', 'p'},
    {2249, "record_", 'd', 'x'},    {2950, "uuid_", 'c', 'p'},
    {3802, "jsonb_", 'i', 'x'},     {3904, "range_", 'i', 'x'},
    {3906, "range_", 'i', 'x'},     {3908, "range_", 'd', 'x'},
    {3910, "range_", 'd', 'x'},     {3912, "range_", 'i', 'x'},
    {3926, "range_", 'd', 'x'},     {4089, "regnamespace", 'i', 'p'},
    {4096, "regrole", 'i', 'p'}};

static const struct fact *fact_of(uint32_t oid)
{
    for (size_t i = 0; i < ARRAY_LEN(facts); i++)
        if (facts[i].oid == oid)
            return &facts[i];
    return NULL;
}

/* Is it an array of another type? Not so int2vector. */
static const struct type *element_of(const struct type *t)
{
    return t->category == 'A' && !t->array ? type_by_oid(t->element) : NULL;
}

bool exec__by_value(const struct type *t)
{
    return t->size == 1 || t->size == 2 || t->size == 4 || t->size == 8;
}

char exec__align(const struct type *t)
{
    const struct type *element = element_of(t);
    const struct fact *f = fact_of(element ? element->oid : t->oid);
    if (t->category == 'C' || (element && element->category == 'C'))
        return 'd';
    if (element)
        return f && f->align == 'd' ? 'd' : 'i';
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
    const struct type *e = element_of(t) ? element_of(t) : t;
    if (e->oid == OID_NODE_TREE)
        return EXEC__COLLATION;
    return e->category == 'S' && e->oid != OID_UNKNOWN ? EXEC__COLLATION : 0;
}

/* ---- operator classes ----------------------------------------------------------------------- */

uint32_t exec__opclass(uint32_t method, uint32_t type)
{
    const struct opclass *c = opclass_default(method, type);
    return c ? c->oid : 0;
}

static struct error *make_pg_opclass(struct exec__maker *m)
{
    size_t n;
    const struct opclass *c = opclass_table(&n);
    for (; n > 0; n--, c++) {
        exec__put_int(m, "oid", c->oid);
        exec__put_int(m, "opcmethod", c->method);
        exec__put_text(m, "opcname", c->name);
        exec__put_int(m, "opcnamespace", EXEC__CATALOG);
        exec__put_int(m, "opcowner", EXEC__OWNER);
        exec__put_int(m, "opcfamily", c->family);
        exec__put_int(m, "opcintype", c->type);
        exec__put_int(m, "opcdefault", c->is_default);
        TRY(exec__give(m));
    }
    return NULL;
}

/* The five comparisons that each class of btree sorts by. */
static struct error *amop(struct exec__maker *m, const struct opclass *c, int64_t first)
{
    static const char *const names[] = {"<", "<=", "=", ">=", ">"};
    for (size_t strategy = 0; strategy < ARRAY_LEN(names); strategy++) {
        const struct func *f = NULL;
        struct error *e =
            func_resolve(names[strategy], FUNC_OPERATOR, (uint32_t[]){c->type, c->type}, 2, &f);
        error_free(e);
        if (!f || e)
            continue;
        exec__put_int(m, "oid", first + (int64_t)strategy);
        exec__put_int(m, "amopfamily", c->family);
        exec__put_int(m, "amoplefttype", c->type);
        exec__put_int(m, "amoprighttype", c->type);
        exec__put_int(m, "amopstrategy", (int64_t)strategy + 1);
        exec__put_char(m, "amoppurpose", 's');
        exec__put_int(m, "amopopr", exec__func_oid(f));
        exec__put_int(m, "amopmethod", c->method);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_pg_amop(struct exec__maker *m)
{
    enum { FIRST = 11000, STRATEGIES = 5 };
    size_t n;
    const struct opclass *all = opclass_table(&n);
    for (size_t i = 0; i < n; i++)
        if (all[i].method == AM_BTREE && all[i].is_default)
            TRY(amop(m, &all[i], FIRST + STRATEGIES * (int64_t)i));
    return NULL;
}

static bool is_first_of_family(const struct opclass *all, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (all[k].family == all[i].family)
            return false;
    return true;
}

static struct error *make_pg_opfamily(struct exec__maker *m)
{
    size_t n;
    const struct opclass *all = opclass_table(&n);
    for (size_t i = 0; i < n; i++) {
        if (!is_first_of_family(all, i))
            continue;
        exec__put_int(m, "oid", all[i].family);
        exec__put_int(m, "opfmethod", all[i].method);
        exec__put_text(m, "opfname", all[i].family_name);
        exec__put_int(m, "opfnamespace", EXEC__CATALOG);
        exec__put_int(m, "opfowner", EXEC__OWNER);
        TRY(exec__give(m));
    }
    return NULL;
}

/* ---- pg_type -------------------------------------------------------------------------------- */

uint32_t exec__row_type_oid(uint32_t class, bool array)
{
    return class | (array ? 0xE0000000 : 0xC0000000); /* a view's rule has 0x80000000 */
}

static bool is_enum(const struct type *t)
{
    return t->category == 'E' && t->array;
}

static void put_io(struct exec__maker *m, const char *io)
{
    static const struct {
        const char *column, *suffix;
    } all[] = {
        {"typinput", "in"}, {"typoutput", "out"}, {"typreceive", "recv"}, {"typsend", "send"}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (exec__wants(m, all[i].column))
            exec__put_int(m, all[i].column,
                          exec__io_function(arena_printf(&m->arena, "%s%s", io, all[i].suffix)));
}

/* What a domain has of its own; the rest is the type's beneath. */
static void put_domain(struct exec__maker *m, const struct object *o)
{
    const struct column *c = &o->domain->columns[0];
    exec__put_int(m, "typbasetype", c->domain ? c->domain : c->type);
    exec__put_int(m, "typtypmod", c->domain ? -1 : c->typmod);
    exec__put_int(m, "typnotnull", c->not_null);
    exec__put_int(m, "typndims", type_by_oid(c->type)->category == 'A' && !c->domain);
    exec__put_int(m, "typinput", exec__io_function("domain_in"));
    exec__put_int(m, "typreceive", exec__io_function("domain_recv"));
    if (!c->default_sql)
        return;
    exec__put_expr(m, "typdefault", o->domain, c->default_sql, c);
    exec__put_expr(m, "typdefaultbin", o->domain, c->default_sql, c);
}

static struct error *give_type(struct exec__maker *m, const struct type *t, uint32_t namespace,
                               const struct object *domain)
{
    bool array = element_of(t) != NULL;
    exec__put_int(m, "oid", t->oid);
    exec__put_text(m, "typname", t->name);
    exec__put_int(m, "typnamespace", namespace);
    exec__put_int(m, "typowner", EXEC__OWNER);
    exec__put_int(m, "typlen", t->size);
    exec__put_int(m, "typbyval", exec__by_value(t));
    exec__put_char(m, "typtype",
                   t->category == 'P'   ? 'p'
                   : is_enum(t)         ? 'e'
                   : domain             ? 'd'
                   : t->category == 'R' ? 'r'
                   : t->category == 'C' ? 'c'
                                        : 'b');
    exec__put_char(m, "typcategory", t->category);
    exec__put_int(m, "typispreferred", t->preferred);
    exec__put_int(m, "typisdefined", true);
    exec__put_text(m, "typdelim", ",");
    if (t->element)
        exec__put_int(m, "typsubscript", exec__io_function("array_subscript_handler"));
    exec__put_int(m, "typelem", t->element);
    exec__put_int(m, "typarray", t->array);
    const struct type *own = domain ? type_by_oid(domain->domain->columns[0].type) : t;
    const struct fact *f = fact_of(own->oid);
    put_io(m, element_of(own)    ? "array_"
              : f                ? f->io
              : is_enum(own)     ? "enum_"
              : type_is_row(own) ? "record_"
                                 : "any");
    if (t->category == 'C')
        exec__put_int(m, "typrelid", t->oid);
    if (array)
        exec__put_int(m, "typanalyze", exec__io_function("array_typanalyze"));
    exec__put_char(m, "typalign", exec__align(own));
    exec__put_char(m, "typstorage", exec__storage(own));
    exec__put_int(m, "typbyval", exec__by_value(own));
    exec__put_int(m, "typtypmod", -1);
    exec__put_int(m, "typcollation", exec__collation(own));
    if (domain)
        put_domain(m, domain);
    return exec__give(m);
}

static struct error *make_pg_range(struct exec__maker *m)
{
    size_t n;
    const struct type *const *all = type_table(&n);
    for (size_t i = 0; i < n; i++) {
        uint32_t of = type_range_subtype(all[i]->oid);
        if (!of)
            continue;
        exec__put_int(m, "rngtypid", all[i]->oid);
        exec__put_int(m, "rngsubtype", of);
        exec__put_int(m, "rngsubopc", exec__opclass(AM_BTREE, of));
        TRY(exec__give(m));
    }
    return NULL;
}

/* Of a relation's rows, or of arrays of them. */
static struct error *give_row_type(struct exec__maker *m, const struct table *t, bool array)
{
    uint32_t class = catalog_table_oid(t), oid = exec__row_type_oid(class, array);
    if (!exec__needs_int(m, "oid", oid) || !exec__needs_int(m, "typrelid", array ? 0 : class))
        return NULL;
    const char *name = arena_printf(&m->arena, "%s%.*s", array ? "_" : "",
                                    array ? CATALOG_NAME_MAX - 1 : CATALOG_NAME_MAX, t->name);
    if (!exec__needs_text(m, "typname", name))
        return NULL;
    exec__put_int(m, "oid", oid);
    exec__put_text(m, "typname", name);
    exec__put_int(m, "typnamespace", exec__namespace_oid(m->view, t->schema));
    exec__put_int(m, "typowner", EXEC__OWNER);
    exec__put_int(m, "typlen", -1);
    exec__put_char(m, "typtype", array ? 'b' : 'c');
    exec__put_char(m, "typcategory", array ? 'A' : 'C');
    exec__put_int(m, "typisdefined", true);
    exec__put_text(m, "typdelim", ",");
    if (array)
        exec__put_int(m, "typsubscript", exec__io_function("array_subscript_handler"));
    exec__put_int(m, "typrelid", array ? 0 : class);
    exec__put_int(m, "typelem", array ? exec__row_type_oid(class, false) : 0);
    exec__put_int(m, "typarray", array ? 0 : exec__row_type_oid(class, true));
    put_io(m, array ? "array_" : "record_");
    if (array)
        exec__put_int(m, "typanalyze", exec__io_function("array_typanalyze"));
    exec__put_char(m, "typalign", 'd');
    exec__put_char(m, "typstorage", 'x');
    exec__put_int(m, "typtypmod", -1);
    return exec__give(m);
}

static struct error *make_row_types(struct exec__maker *m)
{
    const struct table *t;
    char kind;
    for (size_t i = 0; (t = exec__next_relation(m->view, &i, &kind));) {
        if (kind == 'c') /* which is a type of its own */
            continue;
        TRY(give_row_type(m, t, false));
        TRY(give_row_type(m, t, true));
    }
    return NULL;
}

static struct error *make_pg_type(struct exec__maker *m)
{
    for (uint32_t oid = 1; oid < LAST_TYPE; oid++) {
        const struct type *t = exec__needs_int(m, "oid", oid) ? type_by_oid(oid) : NULL;
        if (t && exec__needs_text(m, "typname", t->name))
            TRY(give_type(m, t, EXEC__CATALOG, NULL));
    }
    const struct object *o;
    for (size_t i = 0; (o = catalog_next_type(m->view, &i));) {
        uint32_t namespace = exec__namespace_oid(m->view, o->schema);
        const uint32_t oids[] = {catalog_oid(o->id), catalog_oid(o->array_id)};
        for (size_t k = 0; k < ARRAY_LEN(oids); k++) {
            const struct type *t = oids[k] ? type_by_oid(oids[k]) : NULL;
            if (t && exec__needs_int(m, "oid", oids[k]) && exec__needs_text(m, "typname", t->name))
                TRY(give_type(m, t, namespace, o->kind == OBJ_DOMAIN ? o : NULL));
        }
    }
    return make_row_types(m);
}

static struct error *make_pg_enum(struct exec__maker *m)
{
    for (size_t i = 0; i < m->view->n_objects; i++) {
        const struct object *o = m->view->objects[i];
        for (int k = 0; o->kind == OBJ_ENUM && k < o->n_labels; k++) {
            exec__put_int(m, "oid", catalog_oid(o->labels[k].id));
            exec__put_int(m, "enumtypid", catalog_oid(o->id));
            exec__put_real(m, "enumsortorder", k + 1);
            exec__put_text(m, "enumlabel", o->labels[k].name);
            TRY(exec__give(m));
        }
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
               {AM_BTREE, "btree", "bthandler", 'i'},
               {AM_HASH, "hash", "hashhandler", 'i'},
               {AM_GIST, "gist", "gisthandler", 'i'},
               {AM_GIN, "gin", "ginhandler", 'i'},
               {AM_SPGIST, "spgist", "spghandler", 'i'},
               {AM_BRIN, "brin", "brinhandler", 'i'}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        exec__put_int(m, "oid", all[i].oid);
        exec__put_text(m, "amname", all[i].name);
        exec__put_int(m, "amhandler", exec__io_function(all[i].handler));
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
    {.schema = "pg_catalog", .relation = "pg_enum", .make = make_pg_enum},
    {.schema = "pg_catalog", .relation = "pg_cast", .make = make_pg_cast},
    {.schema = "pg_catalog", .relation = "pg_opclass", .make = make_pg_opclass},
    {.schema = "pg_catalog", .relation = "pg_amop", .make = make_pg_amop},
    {.schema = "pg_catalog", .relation = "pg_opfamily", .make = make_pg_opfamily},
    {.schema = "pg_catalog", .relation = "pg_range", .make = make_pg_range},
    {.schema = "pg_catalog", .relation = "pg_am", .make = make_pg_am},
    {.schema = "pg_catalog", .relation = "pg_language", .make = make_pg_language},
    {.schema = "pg_catalog", .relation = "pg_collation", .make = make_pg_collation},
    {0}};
