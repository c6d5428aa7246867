/*
 * Functions as pg_proc has them: those of types/, and the input and output functions of types,
 * which nobody calls by name, but by which clients tell an array from a range (typinput =
 * 'array_in'). The latter have PostgreSQL's own object ids; the others' are made of name and
 * argument types, so that they stay when others are added, in a range that neither PostgreSQL's own
 * objects nor the counter of the catalog's come near.
 */
#include "exec/system.h"

struct io_function {
    uint32_t oid;
    const char *name;
    uint32_t result, args[4];
};

static const struct io_function io_functions[] = {
    {3, "heap_tableam_handler", 269, {2281}},
    {31, "byteaout", 2275, {17}},
    {33, "charout", 2275, {18}},
    {34, "namein", 19, {2275}},
    {35, "nameout", 2275, {19}},
    {38, "int2in", 21, {2275}},
    {39, "int2out", 2275, {21}},
    {40, "int2vectorin", 22, {2275}},
    {41, "int2vectorout", 2275, {22}},
    {42, "int4in", 23, {2275}},
    {43, "int4out", 2275, {23}},
    {44, "regprocin", 24, {2275}},
    {45, "regprocout", 2275, {24}},
    {46, "textin", 25, {2275}},
    {47, "textout", 2275, {25}},
    {50, "xidin", 28, {2275}},
    {51, "xidout", 2275, {28}},
    {54, "oidvectorin", 30, {2275}},
    {55, "oidvectorout", 2275, {30}},
    {109, "unknownin", 705, {2275}},
    {110, "unknownout", 2275, {705}},
    {195, "pg_node_tree_in", 194, {2275}},
    {196, "pg_node_tree_out", 2275, {194}},
    {197, "pg_node_tree_recv", 194, {2281}},
    {198, "pg_node_tree_send", 17, {194}},
    {200, "float4in", 700, {2275}},
    {201, "float4out", 2275, {700}},
    {214, "float8in", 701, {2275}},
    {215, "float8out", 2275, {701}},
    {321, "json_in", 114, {2275}},
    {322, "json_out", 2275, {114}},
    {323, "json_recv", 114, {2281}},
    {324, "json_send", 17, {114}},
    {330, "bthandler", 325, {2281}},
    {460, "int8in", 20, {2275}},
    {461, "int8out", 2275, {20}},
    {750, "array_in", 2277, {2275, 26, 23}},
    {751, "array_out", 2275, {2277}},
    {886, "cash_in", 790, {2275}},
    {887, "cash_out", 2275, {790}},
    {2492, "cash_recv", 790, {2281}},
    {2493, "cash_send", 17, {790}},
    {436, "macaddr_in", 829, {2275}},
    {437, "macaddr_out", 2275, {829}},
    {2494, "macaddr_recv", 829, {2281}},
    {2495, "macaddr_send", 17, {829}},
    {4110, "macaddr8_in", 774, {2275}},
    {4111, "macaddr8_out", 2275, {774}},
    {3446, "macaddr8_recv", 774, {2281}},
    {3447, "macaddr8_send", 17, {774}},
    {1564, "bit_in", 1560, {2275, 26, 23}},
    {1565, "bit_out", 2275, {1560}},
    {2456, "bit_recv", 1560, {2281, 26, 23}},
    {2457, "bit_send", 17, {1560}},
    {1579, "varbit_in", 1562, {2275, 26, 23}},
    {1580, "varbit_out", 2275, {1562}},
    {2458, "varbit_recv", 1562, {2281, 26, 23}},
    {2459, "varbit_send", 17, {1562}},
    {910, "inet_in", 869, {2275}},
    {911, "inet_out", 2275, {869}},
    {1031, "aclitemin", 1033, {2275}},
    {1032, "aclitemout", 2275, {1033}},
    {1044, "bpcharin", 1042, {2275, 26, 23}},
    {1045, "bpcharout", 2275, {1042}},
    {1046, "varcharin", 1043, {2275, 26, 23}},
    {1047, "varcharout", 2275, {1043}},
    {1084, "date_in", 1082, {2275}},
    {1085, "date_out", 2275, {1082}},
    {1143, "time_in", 1083, {2275, 26, 23}},
    {1144, "time_out", 2275, {1083}},
    {1150, "timestamptz_in", 1184, {2275, 26, 23}},
    {1151, "timestamptz_out", 2275, {1184}},
    {1160, "interval_in", 1186, {2275, 26, 23}},
    {1161, "interval_out", 2275, {1186}},
    {1242, "boolin", 16, {2275}},
    {1243, "boolout", 2275, {16}},
    {1244, "byteain", 17, {2275}},
    {1245, "charin", 18, {2275}},
    {1267, "cidr_in", 650, {2275}},
    {1312, "timestamp_in", 1114, {2275, 26, 23}},
    {1313, "timestamp_out", 2275, {1114}},
    {1350, "timetz_in", 1266, {2275, 26, 23}},
    {1351, "timetz_out", 2275, {1266}},
    {1427, "cidr_out", 2275, {650}},
    {1701, "numeric_in", 1700, {2275, 26, 23}},
    {1702, "numeric_out", 2275, {1700}},
    {1798, "oidin", 26, {2275}},
    {1799, "oidout", 2275, {26}},
    {2212, "regprocedurein", 2202, {2275}},
    {2213, "regprocedureout", 2275, {2202}},
    {2214, "regoperin", 2203, {2275}},
    {2215, "regoperout", 2275, {2203}},
    {2216, "regoperatorin", 2204, {2275}},
    {2217, "regoperatorout", 2275, {2204}},
    {2218, "regclassin", 2205, {2275}},
    {2219, "regclassout", 2275, {2205}},
    {2220, "regtypein", 2206, {2275}},
    {2221, "regtypeout", 2275, {2206}},
    {2290, "record_in", 2249, {2275, 26, 23}},
    {2291, "record_out", 2275, {2249}},
    {2292, "cstring_in", 2275, {2275}},
    {2293, "cstring_out", 2275, {2275}},
    {2294, "any_in", 2276, {2275}},
    {2295, "any_out", 2275, {2276}},
    {2296, "anyarray_in", 2277, {2275}},
    {2297, "anyarray_out", 2275, {2277}},
    {2298, "void_in", 2278, {2275}},
    {2299, "void_out", 2275, {2278}},
    {2312, "anyelement_in", 2283, {2275}},
    {2313, "anyelement_out", 2275, {2283}},
    {2400, "array_recv", 2277, {2281, 26, 23}},
    {2401, "array_send", 17, {2277}},
    {2402, "record_recv", 2249, {2281, 26, 23}},
    {2403, "record_send", 17, {2249}},
    {2404, "int2recv", 21, {2281}},
    {2405, "int2send", 17, {21}},
    {2406, "int4recv", 23, {2281}},
    {2407, "int4send", 17, {23}},
    {2408, "int8recv", 20, {2281}},
    {2409, "int8send", 17, {20}},
    {2410, "int2vectorrecv", 22, {2281}},
    {2411, "int2vectorsend", 17, {22}},
    {2412, "bytearecv", 17, {2281}},
    {2413, "byteasend", 17, {17}},
    {2414, "textrecv", 25, {2281}},
    {2415, "textsend", 17, {25}},
    {2416, "unknownrecv", 705, {2281}},
    {2417, "unknownsend", 17, {705}},
    {2418, "oidrecv", 26, {2281}},
    {2419, "oidsend", 17, {26}},
    {2420, "oidvectorrecv", 30, {2281}},
    {2421, "oidvectorsend", 17, {30}},
    {2422, "namerecv", 19, {2281}},
    {2423, "namesend", 17, {19}},
    {2424, "float4recv", 700, {2281}},
    {2425, "float4send", 17, {700}},
    {2426, "float8recv", 701, {2281}},
    {2427, "float8send", 17, {701}},
    {2430, "bpcharrecv", 1042, {2281, 26, 23}},
    {2431, "bpcharsend", 17, {1042}},
    {2432, "varcharrecv", 1043, {2281, 26, 23}},
    {2433, "varcharsend", 17, {1043}},
    {2434, "charrecv", 18, {2281}},
    {2435, "charsend", 17, {18}},
    {2436, "boolrecv", 16, {2281}},
    {2437, "boolsend", 17, {16}},
    {2440, "xidrecv", 28, {2281}},
    {2441, "xidsend", 17, {28}},
    {2444, "regprocrecv", 24, {2281}},
    {2445, "regprocsend", 17, {24}},
    {2446, "regprocedurerecv", 2202, {2281}},
    {2447, "regproceduresend", 17, {2202}},
    {2448, "regoperrecv", 2203, {2281}},
    {2449, "regopersend", 17, {2203}},
    {2450, "regoperatorrecv", 2204, {2281}},
    {2451, "regoperatorsend", 17, {2204}},
    {2452, "regclassrecv", 2205, {2281}},
    {2453, "regclasssend", 17, {2205}},
    {2454, "regtyperecv", 2206, {2281}},
    {2455, "regtypesend", 17, {2206}},
    {2460, "numeric_recv", 1700, {2281, 26, 23}},
    {2461, "numeric_send", 17, {1700}},
    {2468, "date_recv", 1082, {2281}},
    {2469, "date_send", 17, {1082}},
    {2470, "time_recv", 1083, {2281, 26, 23}},
    {2471, "time_send", 17, {1083}},
    {2472, "timetz_recv", 1266, {2281, 26, 23}},
    {2473, "timetz_send", 17, {1266}},
    {2474, "timestamp_recv", 1114, {2281, 26, 23}},
    {2475, "timestamp_send", 17, {1114}},
    {2476, "timestamptz_recv", 1184, {2281, 26, 23}},
    {2477, "timestamptz_send", 17, {1184}},
    {2478, "interval_recv", 1186, {2281, 26, 23}},
    {2479, "interval_send", 17, {1186}},
    {2496, "inet_recv", 869, {2281}},
    {2497, "inet_send", 17, {869}},
    {2498, "cidr_recv", 650, {2281}},
    {2499, "cidr_send", 17, {650}},
    {2500, "cstring_recv", 2275, {2281}},
    {2501, "cstring_send", 17, {2275}},
    {2502, "anyarray_recv", 2277, {2281}},
    {2503, "anyarray_send", 17, {2277}},
    {2597, "domain_in", 2276, {2275, 26, 23}},
    {2598, "domain_recv", 2276, {2281, 26, 23}},
    {2777, "anynonarray_in", 2776, {2275}},
    {2778, "anynonarray_out", 2275, {2776}},
    {2903, "intervaltypmodin", 23, {1263}},
    {2904, "intervaltypmodout", 2275, {23}},
    {2905, "timestamptypmodin", 23, {1263}},
    {2906, "timestamptypmodout", 2275, {23}},
    {2907, "timestamptztypmodin", 23, {1263}},
    {2908, "timestamptztypmodout", 2275, {23}},
    {2909, "timetypmodin", 23, {1263}},
    {2910, "timetypmodout", 2275, {23}},
    {2911, "timetztypmodin", 23, {1263}},
    {2912, "timetztypmodout", 2275, {23}},
    {2913, "bpchartypmodin", 23, {1263}},
    {2914, "bpchartypmodout", 2275, {23}},
    {2915, "varchartypmodin", 23, {1263}},
    {2916, "varchartypmodout", 2275, {23}},
    {2917, "numerictypmodin", 23, {1263}},
    {2918, "numerictypmodout", 2275, {23}},
    {2952, "uuid_in", 2950, {2275}},
    {2953, "uuid_out", 2275, {2950}},
    {2961, "uuid_recv", 2950, {2281}},
    {2962, "uuid_send", 17, {2950}},
    {3120, "void_recv", 2278, {2281}},
    {3121, "void_send", 17, {2278}},
    {3504, "anyenum_in", 3500, {2275}},
    {3505, "anyenum_out", 2275, {3500}},
    {3506, "enum_in", 3500, {2275, 26}},
    {3507, "enum_out", 2275, {3500}},
    {3532, "enum_recv", 3500, {2281, 26}},
    {3533, "enum_send", 17, {3500}},
    {3803, "jsonb_send", 17, {3802}},
    {3804, "jsonb_out", 2275, {3802}},
    {3805, "jsonb_recv", 3802, {2281}},
    {3806, "jsonb_in", 3802, {2275}},
    {3816, "array_typanalyze", 16, {2281}},
    {3834, "range_in", 3831, {2275, 26, 23}},
    {3835, "range_out", 2275, {3831}},
    {3836, "range_recv", 3831, {2281, 26, 23}},
    {3837, "range_send", 17, {3831}},
    {4001, "jsonpath_in", 4072, {2275}},
    {4002, "jsonpath_recv", 4072, {2281}},
    {4003, "jsonpath_out", 2275, {4072}},
    {4004, "jsonpath_send", 17, {4072}},
    {4084, "regnamespacein", 4089, {2275}},
    {4085, "regnamespaceout", 2275, {4089}},
    {4087, "regnamespacerecv", 4089, {2281}},
    {4088, "regnamespacesend", 17, {4089}},
    {4092, "regroleout", 2275, {4096}},
    {4094, "regrolerecv", 4096, {2281}},
    {4095, "regrolesend", 17, {4096}},
    {4098, "regrolein", 4096, {2275}},
    {6098, "jsonb_subscript_handler", 2281, {2281}},
    {6179, "array_subscript_handler", 2281, {2281}},
    {6180, "raw_array_subscript_handler", 2281, {2281}},
};

/* Functions of which the analysis makes a value of the session (sql/func.c). */
#define SESSION(n, type)                                                                           \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .result = type, .strict = true, .system = true             \
    }
static const struct func session_functions[] = {
    SESSION("current_database", OID_NAME),
    SESSION("current_schema", OID_NAME),
    SESSION("now", OID_TIMESTAMPTZ),
    SESSION("pg_backend_pid", OID_INT4),
    SESSION("statement_timestamp", OID_TIMESTAMPTZ),
    SESSION("transaction_timestamp", OID_TIMESTAMPTZ),
    SESSION("version", OID_TEXT),
};

/* All but those of io_functions, from 0 on; NULL: no more. */
static const struct func *func_at(size_t i)
{
    size_t n;
    const struct func *all = func_table(&n);
    if (i < n)
        return &all[i];
    return i - n < ARRAY_LEN(session_functions) ? &session_functions[i - n] : NULL;
}

uint32_t exec__io_function(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(io_functions); i++)
        if (strcmp(io_functions[i].name, name) == 0)
            return io_functions[i].oid;
    return 0;
}

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

/* ---- by name and by oid --------------------------------------------------------------------- */

int exec__funcs_named(const char *name, uint32_t *ret_oid)
{
    int found = 0;
    const struct func *f;
    for (size_t i = 0; (f = func_at(i)); i++) {
        if (f->kind == FUNC_OPERATOR || strcmp(f->name, name) != 0)
            continue;
        *ret_oid = exec__func_oid(f);
        found++;
    }
    uint32_t io = exec__io_function(name);
    if (io)
        *ret_oid = io;
    return found + (io != 0);
}

int exec__operators_named(const char *name, uint32_t *ret_oid)
{
    size_t n;
    int found = 0;
    const struct func *all = func_table(&n);
    for (size_t i = 0; i < n; i++) {
        if (all[i].kind != FUNC_OPERATOR || strcmp(all[i].name, name) != 0)
            continue;
        *ret_oid = exec__func_oid(&all[i]);
        found++;
    }
    return found;
}

/* A prefix operator has no left argument, which is written as 0. */
static bool takes(const struct func *f, const uint32_t *args, int n)
{
    bool prefix = f->kind == FUNC_OPERATOR && f->nargs == 1;
    if (f->nargs + prefix != n || (prefix && args[0]))
        return false;
    return memcmp(f->args, args + prefix, sizeof(*args) * (size_t)f->nargs) == 0;
}

static int count_args(const struct io_function *f)
{
    int n = 0;
    while (n < 4 && f->args[n])
        n++;
    return n;
}

uint32_t exec__func_with(const char *name, bool is_operator, const uint32_t *args, int n)
{
    const struct func *f;
    for (size_t i = 0; (f = func_at(i)); i++)
        if ((f->kind == FUNC_OPERATOR) == is_operator && strcmp(f->name, name) == 0 &&
            takes(f, args, n))
            return exec__func_oid(f);
    for (size_t i = 0; i < ARRAY_LEN(io_functions) && !is_operator; i++) {
        const struct io_function *io = &io_functions[i];
        if (strcmp(io->name, name) == 0 && count_args(io) == n &&
            memcmp(io->args, args, sizeof(*args) * (size_t)n) == 0)
            return io->oid;
    }
    return 0;
}

bool exec__print_operator(uint32_t oid, bool arguments, struct buf *out)
{
    uint32_t other;
    const struct func *f = exec__func_by_oid(oid);
    if (!f || f->kind != FUNC_OPERATOR)
        return false;
    if (!arguments) {
        bool one = exec__operators_named(f->name, &other) == 1;
        buf_printf(out, "%s%s", one ? "" : "pg_catalog.", f->name);
        return true;
    }
    buf_printf(out, "%s(%s", f->name, f->nargs == 1 ? "NONE," : "");
    exec__print_arguments(f->args, f->nargs, ",", out);
    buf_puts(out, ")");
    return true;
}

static const struct io_function *io_by_oid(uint32_t oid)
{
    for (size_t i = 0; i < ARRAY_LEN(io_functions); i++)
        if (io_functions[i].oid == oid)
            return &io_functions[i];
    return NULL;
}

const struct func *exec__func_by_oid(uint32_t oid)
{
    const struct func *f;
    for (size_t i = 0; (f = func_at(i)); i++)
        if (exec__func_oid(f) == oid)
            return f;
    return NULL;
}

const char *exec__func_name(uint32_t oid)
{
    const struct io_function *io = io_by_oid(oid);
    const struct func *f = io ? NULL : exec__func_by_oid(oid);
    return io ? io->name : f ? f->name : NULL;
}

void exec__print_arguments(const uint32_t *args, int n, const char *between, struct buf *out)
{
    _cleanup_(arena_done) struct arena a = {0};
    buf_puts(out, "");
    for (int i = 0; i < n; i++)
        buf_printf(out, "%s%s", i ? between : "", type_label(args[i], -1, &a));
}

bool exec__print_procedure(uint32_t oid, struct buf *out)
{
    const struct io_function *io = io_by_oid(oid);
    const struct func *f = io ? NULL : exec__func_by_oid(oid);
    if (!io && !f)
        return false;
    sql_quote_identifier(io ? io->name : f->name, out);
    buf_puts(out, "(");
    exec__print_arguments(io ? io->args : f->args, io ? count_args(io) : f->nargs, ",", out);
    buf_puts(out, ")");
    return true;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void put_proc(struct exec__maker *m, uint32_t oid, const char *name, const uint32_t *args,
                     int n_args, uint32_t result)
{
    int64_t types[FUNC_MAX_ARGS + 4];
    exec__put_int(m, "oid", oid);
    exec__put_text(m, "proname", name);
    exec__put_int(m, "pronamespace", EXEC__CATALOG);
    exec__put_int(m, "proowner", EXEC__OWNER);
    exec__put_int(m, "prolang", 12);
    exec__put_real(m, "procost", 1);
    exec__put_char(m, "prokind", 'f');
    exec__put_char(m, "provolatile", 'i');
    exec__put_char(m, "proparallel", 's');
    exec__put_int(m, "pronargs", n_args);
    exec__put_int(m, "prorettype", result);
    for (int i = 0; i < n_args; i++)
        types[i] = args[i];
    exec__put_ints(m, "proargtypes", types, n_args);
    exec__put_text(m, "prosrc", name);
}

/* Modes, types and names of all arguments, where they are not simply IN: the columns that a
 * function of rows gives are its OUT arguments. */
static void put_all_arguments(struct exec__maker *m, const struct func *f)
{
    int n_out = f->set && f->set->columns ? f->set->n_columns : 0;
    int64_t types[FUNC_MAX_ARGS + SET_MAX_COLUMNS] = {0};
    _cleanup_(buf_done) struct buf modes = {0}, names = {0};
    if (!n_out && !f->variadic)
        return;
    for (int i = 0; i < f->nargs + n_out; i++) {
        bool out = i >= f->nargs;
        const struct set_column *c = out ? &f->set->columns[i - f->nargs] : NULL;
        types[i] = out ? c->type : f->args[i];
        char mode = out ? 'o' : f->variadic && i == f->nargs - 1 ? 'v' : 'i';
        buf_printf(&modes, "%c%c", i ? ',' : '{', mode);
        buf_printf(&names, "%c%s", i ? ',' : '{', out ? c->name : "\"\"");
    }
    exec__put_ints(m, "proallargtypes", types, f->nargs + n_out);
    exec__put_text(m, "proargmodes", arena_printf(&m->arena, "%s}", modes.data));
    if (n_out)
        exec__put_text(m, "proargnames", arena_printf(&m->arena, "%s}", names.data));
}

static struct error *give_proc(struct exec__maker *m, const struct func *f)
{
    put_proc(m, exec__func_oid(f), f->name, f->args, f->nargs, f->result);
    exec__put_int(m, "provariadic", f->variadic ? f->args[f->nargs - 1] : 0);
    if (f->kind == FUNC_AGGREGATE || f->kind == FUNC_ORDERED || f->kind == FUNC_WINDOW)
        exec__put_char(m, "prokind", f->kind == FUNC_WINDOW ? 'w' : 'a');
    exec__put_int(m, "proisstrict", f->strict && (f->kind == FUNC_SCALAR || f->kind == FUNC_SET));
    exec__put_int(m, "proretset", f->kind == FUNC_SET);
    exec__put_real(m, "prorows", f->kind == FUNC_SET ? 1000 : 0);
    put_all_arguments(m, f);
    if (f->volatile_ || f->stable || f->system)
        exec__put_char(m, "provolatile", f->volatile_ ? 'v' : 's');
    if (f->kind == FUNC_AGGREGATE || f->kind == FUNC_ORDERED)
        exec__put_text(m, "prosrc", "aggregate_dummy");
    return exec__give(m);
}

static struct error *make_pg_proc(struct exec__maker *m)
{
    const struct func *f;
    for (size_t i = 0; (f = func_at(i)); i++)
        if (f->kind != FUNC_OPERATOR && exec__needs_text(m, "proname", f->name))
            TRY(give_proc(m, f));
    for (size_t i = 0; i < ARRAY_LEN(io_functions); i++) {
        const struct io_function *io = &io_functions[i];
        if (!exec__needs_text(m, "proname", io->name))
            continue;
        put_proc(m, io->oid, io->name, io->args, count_args(io), io->result);
        exec__put_int(m, "proisstrict", true);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_pg_aggregate(struct exec__maker *m)
{
    size_t n;
    const struct func *all = func_table(&n);
    for (size_t i = 0; i < n; i++) {
        bool ordered = all[i].kind == FUNC_ORDERED;
        if (all[i].kind != FUNC_AGGREGATE && !ordered)
            continue;
        exec__put_int(m, "aggfnoid", exec__func_oid(&all[i]));
        exec__put_char(m, "aggkind", !ordered ? 'n' : all[i].variadic ? 'h' : 'o');
        exec__put_int(m, "aggnumdirectargs", all[i].direct);
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
        TRY(exec__give(m));
    }
    return NULL;
}

const struct exec__making exec__making_procs[] = {
    {.schema = "pg_catalog", .relation = "pg_proc", .make = make_pg_proc},
    {.schema = "pg_catalog", .relation = "pg_aggregate", .make = make_pg_aggregate},
    {.schema = "pg_catalog", .relation = "pg_operator", .make = make_pg_operator},
    {0}};
