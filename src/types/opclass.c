/*
 * Operator classes: what an index of a method can hold, under PostgreSQL's names and numbers.
 *
 * In a region's file every index is SQLite's, which orders by the type's own comparison. So a class
 * says which types a method takes, and how the index was declared; it changes nothing else.
 */
#include "types/types_int.h"

static const struct opclass rows[] = {
    {1978, AM_BTREE, "int4_ops", 1976, "integer_ops", OID_INT4, true},
    {1979, AM_BTREE, "int2_ops", 1976, "integer_ops", OID_INT2, true},
    {1981, AM_BTREE, "oid_ops", 1989, "oid_ops", OID_OID, true},
    {3122, AM_BTREE, "date_ops", 434, "datetime_ops", OID_DATE, true},
    {3123, AM_BTREE, "float8_ops", 1970, "float_ops", OID_FLOAT8, true},
    {3124, AM_BTREE, "int8_ops", 1976, "integer_ops", OID_INT8, true},
    {3125, AM_BTREE, "numeric_ops", 1988, "numeric_ops", OID_NUMERIC, true},
    {3126, AM_BTREE, "text_ops", 1994, "text_ops", OID_TEXT, true},
    {3127, AM_BTREE, "timestamptz_ops", 434, "datetime_ops", OID_TIMESTAMPTZ, true},
    {3128, AM_BTREE, "timestamp_ops", 434, "datetime_ops", OID_TIMESTAMP, true},
    {4217, AM_BTREE, "text_pattern_ops", 2095, "text_pattern_ops", OID_TEXT, false},
    {4218, AM_BTREE, "varchar_pattern_ops", 2095, "text_pattern_ops", OID_TEXT, false},
    {4219, AM_BTREE, "bpchar_pattern_ops", 2097, "bpchar_pattern_ops", OID_BPCHAR, false},
    {10000, AM_BTREE, "array_ops", 397, "array_ops", OID_ANYARRAY, true},
    {10002, AM_BTREE, "bit_ops", 423, "bit_ops", OID_BIT, true},
    {10003, AM_BTREE, "bool_ops", 424, "bool_ops", OID_BOOL, true},
    {10004, AM_BTREE, "bpchar_ops", 426, "bpchar_ops", OID_BPCHAR, true},
    {10006, AM_BTREE, "bytea_ops", 428, "bytea_ops", OID_BYTEA, true},
    {10007, AM_BTREE, "char_ops", 429, "char_ops", OID_CHAR, true},
    {10009, AM_BTREE, "cidr_ops", 1974, "network_ops", OID_INET, false},
    {10012, AM_BTREE, "float4_ops", 1970, "float_ops", OID_FLOAT4, true},
    {10015, AM_BTREE, "inet_ops", 1974, "network_ops", OID_INET, true},
    {10022, AM_BTREE, "interval_ops", 1982, "interval_ops", OID_INTERVAL, true},
    {10024, AM_BTREE, "macaddr_ops", 1984, "macaddr_ops", OID_MACADDR, true},
    {10026, AM_BTREE, "macaddr8_ops", 3371, "macaddr8_ops", OID_MACADDR8, true},
    {10028, AM_BTREE, "name_ops", 1994, "text_ops", OID_NAME, true},
    {10032, AM_BTREE, "oidvector_ops", 1991, "oidvector_ops", OID_OIDVECTOR, true},
    {10034, AM_BTREE, "record_ops", 2994, "record_ops", OID_RECORD, true},
    {10038, AM_BTREE, "time_ops", 1996, "time_ops", OID_TIME, true},
    {10041, AM_BTREE, "timetz_ops", 2000, "timetz_ops", OID_TIMETZ, true},
    {10043, AM_BTREE, "varbit_ops", 2002, "varbit_ops", OID_VARBIT, true},
    {10044, AM_BTREE, "varchar_ops", 1994, "text_ops", OID_TEXT, false},
    {10047, AM_BTREE, "money_ops", 2099, "money_ops", OID_MONEY, true},
    {10065, AM_BTREE, "uuid_ops", 2968, "uuid_ops", OID_UUID, true},
    {10069, AM_BTREE, "enum_ops", 3522, "enum_ops", OID_ANYENUM, true},
    {10076, AM_BTREE, "range_ops", 3901, "range_ops", OID_ANYRANGE, true},
    {10088, AM_BTREE, "jsonb_ops", 4033, "jsonb_ops", OID_JSONB, true},
    {10001, AM_HASH, "array_ops", 627, "array_ops", OID_ANYARRAY, true},
    {10005, AM_HASH, "bpchar_ops", 427, "bpchar_ops", OID_BPCHAR, true},
    {10008, AM_HASH, "char_ops", 431, "char_ops", OID_CHAR, true},
    {10010, AM_HASH, "cidr_ops", 1975, "network_ops", OID_INET, false},
    {10011, AM_HASH, "date_ops", 435, "date_ops", OID_DATE, true},
    {10013, AM_HASH, "float4_ops", 1971, "float_ops", OID_FLOAT4, true},
    {10014, AM_HASH, "float8_ops", 1971, "float_ops", OID_FLOAT8, true},
    {10016, AM_HASH, "inet_ops", 1975, "network_ops", OID_INET, true},
    {10019, AM_HASH, "int2_ops", 1977, "integer_ops", OID_INT2, true},
    {10020, AM_HASH, "int4_ops", 1977, "integer_ops", OID_INT4, true},
    {10021, AM_HASH, "int8_ops", 1977, "integer_ops", OID_INT8, true},
    {10023, AM_HASH, "interval_ops", 1983, "interval_ops", OID_INTERVAL, true},
    {10025, AM_HASH, "macaddr_ops", 1985, "macaddr_ops", OID_MACADDR, true},
    {10027, AM_HASH, "macaddr8_ops", 3372, "macaddr8_ops", OID_MACADDR8, true},
    {10029, AM_HASH, "name_ops", 1995, "text_ops", OID_NAME, true},
    {10030, AM_HASH, "numeric_ops", 1998, "numeric_ops", OID_NUMERIC, true},
    {10031, AM_HASH, "oid_ops", 1990, "oid_ops", OID_OID, true},
    {10033, AM_HASH, "oidvector_ops", 1992, "oidvector_ops", OID_OIDVECTOR, true},
    {10035, AM_HASH, "record_ops", 6194, "record_ops", OID_RECORD, true},
    {10037, AM_HASH, "text_ops", 1995, "text_ops", OID_TEXT, true},
    {10039, AM_HASH, "time_ops", 1997, "time_ops", OID_TIME, true},
    {10040, AM_HASH, "timestamptz_ops", 1999, "timestamptz_ops", OID_TIMESTAMPTZ, true},
    {10042, AM_HASH, "timetz_ops", 2001, "timetz_ops", OID_TIMETZ, true},
    {10045, AM_HASH, "varchar_ops", 1995, "text_ops", OID_TEXT, false},
    {10046, AM_HASH, "timestamp_ops", 2040, "timestamp_ops", OID_TIMESTAMP, true},
    {10048, AM_HASH, "bool_ops", 2222, "bool_ops", OID_BOOL, true},
    {10049, AM_HASH, "bytea_ops", 2223, "bytea_ops", OID_BYTEA, true},
    {10051, AM_HASH, "xid_ops", 2225, "xid_ops", OID_XID, true},
    {10056, AM_HASH, "text_pattern_ops", 2229, "text_pattern_ops", OID_TEXT, false},
    {10057, AM_HASH, "varchar_pattern_ops", 2229, "text_pattern_ops", OID_TEXT, false},
    {10058, AM_HASH, "bpchar_pattern_ops", 2231, "bpchar_pattern_ops", OID_BPCHAR, false},
    {10066, AM_HASH, "uuid_ops", 2969, "uuid_ops", OID_UUID, true},
    {10070, AM_HASH, "enum_ops", 3523, "enum_ops", OID_ANYENUM, true},
    {10077, AM_HASH, "range_ops", 3903, "range_ops", OID_ANYRANGE, true},
    {10089, AM_HASH, "jsonb_ops", 4034, "jsonb_ops", OID_JSONB, true},
    {10064, AM_GIN, "array_ops", 2745, "array_ops", OID_ANYARRAY, true},
    {10090, AM_GIN, "jsonb_ops", 4036, "jsonb_ops", OID_JSONB, true},
    {10091, AM_GIN, "jsonb_path_ops", 4037, "jsonb_path_ops", OID_JSONB, false},
    {10017, AM_GIST, "inet_ops", 3550, "network_ops", OID_INET, false},
    {10078, AM_GIST, "range_ops", 3919, "range_ops", OID_ANYRANGE, true},
    {10018, AM_SPGIST, "inet_ops", 3794, "network_ops", OID_INET, true},
    {10079, AM_SPGIST, "range_ops", 3474, "range_ops", OID_ANYRANGE, true},
    {10086, AM_SPGIST, "text_ops", 4017, "text_ops", OID_TEXT, true},
    {10092, AM_BRIN, "bytea_minmax_ops", 4064, "bytea_minmax_ops", OID_BYTEA, true},
    {10093, AM_BRIN, "bytea_bloom_ops", 4578, "bytea_bloom_ops", OID_BYTEA, false},
    {10094, AM_BRIN, "char_minmax_ops", 4062, "char_minmax_ops", OID_CHAR, true},
    {10095, AM_BRIN, "char_bloom_ops", 4577, "char_bloom_ops", OID_CHAR, false},
    {10096, AM_BRIN, "name_minmax_ops", 4065, "name_minmax_ops", OID_NAME, true},
    {10097, AM_BRIN, "name_bloom_ops", 4579, "name_bloom_ops", OID_NAME, false},
    {10098, AM_BRIN, "int8_minmax_ops", 4054, "integer_minmax_ops", OID_INT8, true},
    {10099, AM_BRIN, "int8_minmax_multi_ops", 4602, "integer_minmax_multi_ops", OID_INT8, false},
    {10100, AM_BRIN, "int8_bloom_ops", 4572, "integer_bloom_ops", OID_INT8, false},
    {10101, AM_BRIN, "int2_minmax_ops", 4054, "integer_minmax_ops", OID_INT2, true},
    {10102, AM_BRIN, "int2_minmax_multi_ops", 4602, "integer_minmax_multi_ops", OID_INT2, false},
    {10103, AM_BRIN, "int2_bloom_ops", 4572, "integer_bloom_ops", OID_INT2, false},
    {10104, AM_BRIN, "int4_minmax_ops", 4054, "integer_minmax_ops", OID_INT4, true},
    {10105, AM_BRIN, "int4_minmax_multi_ops", 4602, "integer_minmax_multi_ops", OID_INT4, false},
    {10106, AM_BRIN, "int4_bloom_ops", 4572, "integer_bloom_ops", OID_INT4, false},
    {10107, AM_BRIN, "text_minmax_ops", 4056, "text_minmax_ops", OID_TEXT, true},
    {10108, AM_BRIN, "text_bloom_ops", 4573, "text_bloom_ops", OID_TEXT, false},
    {10109, AM_BRIN, "oid_minmax_ops", 4068, "oid_minmax_ops", OID_OID, true},
    {10110, AM_BRIN, "oid_minmax_multi_ops", 4606, "oid_minmax_multi_ops", OID_OID, false},
    {10111, AM_BRIN, "oid_bloom_ops", 4580, "oid_bloom_ops", OID_OID, false},
    {10115, AM_BRIN, "float4_minmax_ops", 4070, "float_minmax_ops", OID_FLOAT4, true},
    {10116, AM_BRIN, "float4_minmax_multi_ops", 4608, "float_minmax_multi_ops", OID_FLOAT4, false},
    {10117, AM_BRIN, "float4_bloom_ops", 4582, "float_bloom_ops", OID_FLOAT4, false},
    {10118, AM_BRIN, "float8_minmax_ops", 4070, "float_minmax_ops", OID_FLOAT8, true},
    {10119, AM_BRIN, "float8_minmax_multi_ops", 4608, "float_minmax_multi_ops", OID_FLOAT8, false},
    {10120, AM_BRIN, "float8_bloom_ops", 4582, "float_bloom_ops", OID_FLOAT8, false},
    {10121, AM_BRIN, "macaddr_minmax_ops", 4074, "macaddr_minmax_ops", OID_MACADDR, true},
    {10122, AM_BRIN, "macaddr_minmax_multi_ops", 4609, "macaddr_minmax_multi_ops", OID_MACADDR,
     false},
    {10123, AM_BRIN, "macaddr_bloom_ops", 4583, "macaddr_bloom_ops", OID_MACADDR, false},
    {10124, AM_BRIN, "macaddr8_minmax_ops", 4109, "macaddr8_minmax_ops", OID_MACADDR8, true},
    {10125, AM_BRIN, "macaddr8_minmax_multi_ops", 4610, "macaddr8_minmax_multi_ops", OID_MACADDR8,
     false},
    {10126, AM_BRIN, "macaddr8_bloom_ops", 4584, "macaddr8_bloom_ops", OID_MACADDR8, false},
    {10127, AM_BRIN, "inet_minmax_ops", 4075, "network_minmax_ops", OID_INET, false},
    {10128, AM_BRIN, "inet_minmax_multi_ops", 4611, "network_minmax_multi_ops", OID_INET, false},
    {10129, AM_BRIN, "inet_bloom_ops", 4585, "network_bloom_ops", OID_INET, false},
    {10130, AM_BRIN, "inet_inclusion_ops", 4102, "network_inclusion_ops", OID_INET, true},
    {10131, AM_BRIN, "bpchar_minmax_ops", 4076, "bpchar_minmax_ops", OID_BPCHAR, true},
    {10132, AM_BRIN, "bpchar_bloom_ops", 4586, "bpchar_bloom_ops", OID_BPCHAR, false},
    {10133, AM_BRIN, "time_minmax_ops", 4077, "time_minmax_ops", OID_TIME, true},
    {10134, AM_BRIN, "time_minmax_multi_ops", 4612, "time_minmax_multi_ops", OID_TIME, false},
    {10135, AM_BRIN, "time_bloom_ops", 4587, "time_bloom_ops", OID_TIME, false},
    {10136, AM_BRIN, "date_minmax_ops", 4059, "datetime_minmax_ops", OID_DATE, true},
    {10137, AM_BRIN, "date_minmax_multi_ops", 4605, "datetime_minmax_multi_ops", OID_DATE, false},
    {10138, AM_BRIN, "date_bloom_ops", 4576, "datetime_bloom_ops", OID_DATE, false},
    {10139, AM_BRIN, "timestamp_minmax_ops", 4059, "datetime_minmax_ops", OID_TIMESTAMP, true},
    {10140, AM_BRIN, "timestamp_minmax_multi_ops", 4605, "datetime_minmax_multi_ops", OID_TIMESTAMP,
     false},
    {10141, AM_BRIN, "timestamp_bloom_ops", 4576, "datetime_bloom_ops", OID_TIMESTAMP, false},
    {10142, AM_BRIN, "timestamptz_minmax_ops", 4059, "datetime_minmax_ops", OID_TIMESTAMPTZ, true},
    {10143, AM_BRIN, "timestamptz_minmax_multi_ops", 4605, "datetime_minmax_multi_ops",
     OID_TIMESTAMPTZ, false},
    {10144, AM_BRIN, "timestamptz_bloom_ops", 4576, "datetime_bloom_ops", OID_TIMESTAMPTZ, false},
    {10145, AM_BRIN, "interval_minmax_ops", 4078, "interval_minmax_ops", OID_INTERVAL, true},
    {10146, AM_BRIN, "interval_minmax_multi_ops", 4613, "interval_minmax_multi_ops", OID_INTERVAL,
     false},
    {10147, AM_BRIN, "interval_bloom_ops", 4588, "interval_bloom_ops", OID_INTERVAL, false},
    {10148, AM_BRIN, "timetz_minmax_ops", 4058, "timetz_minmax_ops", OID_TIMETZ, true},
    {10149, AM_BRIN, "timetz_minmax_multi_ops", 4604, "timetz_minmax_multi_ops", OID_TIMETZ, false},
    {10150, AM_BRIN, "timetz_bloom_ops", 4575, "timetz_bloom_ops", OID_TIMETZ, false},
    {10151, AM_BRIN, "bit_minmax_ops", 4079, "bit_minmax_ops", OID_BIT, true},
    {10152, AM_BRIN, "varbit_minmax_ops", 4080, "varbit_minmax_ops", OID_VARBIT, true},
    {10153, AM_BRIN, "numeric_minmax_ops", 4055, "numeric_minmax_ops", OID_NUMERIC, true},
    {10154, AM_BRIN, "numeric_minmax_multi_ops", 4603, "numeric_minmax_multi_ops", OID_NUMERIC,
     false},
    {10155, AM_BRIN, "numeric_bloom_ops", 4574, "numeric_bloom_ops", OID_NUMERIC, false},
    {10156, AM_BRIN, "uuid_minmax_ops", 4081, "uuid_minmax_ops", OID_UUID, true},
    {10157, AM_BRIN, "uuid_minmax_multi_ops", 4614, "uuid_minmax_multi_ops", OID_UUID, false},
    {10158, AM_BRIN, "uuid_bloom_ops", 4589, "uuid_bloom_ops", OID_UUID, false},
    {10159, AM_BRIN, "range_inclusion_ops", 4103, "range_inclusion_ops", OID_ANYRANGE, true},
};

const struct opclass *opclass_table(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(rows);
    return rows;
}

static const struct {
    uint32_t oid;
    const char *name;
} methods[] = {{AM_BTREE, "btree"}, {AM_HASH, "hash"},     {AM_GIN, "gin"},
               {AM_GIST, "gist"},   {AM_SPGIST, "spgist"}, {AM_BRIN, "brin"}};

const char *access_method_name(uint32_t method)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (methods[i].oid == method)
            return methods[i].name;
    return "btree";
}

uint32_t access_method_by_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (strcmp(methods[i].name, name) == 0)
            return methods[i].oid;
    return 0;
}

/* What a type is to an index: the same bytes. */
static uint32_t beneath(uint32_t type)
{
    switch (type) {
    case OID_VARCHAR:
        return OID_TEXT;
    case OID_CIDR:
        return OID_INET;
    case OID_REGPROC:
    case OID_REGPROCEDURE:
    case OID_REGOPER:
    case OID_REGOPERATOR:
    case OID_REGCLASS:
    case OID_REGTYPE:
    case OID_REGROLE:
    case OID_REGNAMESPACE:
        return OID_OID;
    default:
        return type;
    }
}

bool opclass_takes(const struct opclass *c, uint32_t type)
{
    const struct type *t = type_by_oid(type);
    switch (c->type) {
    case OID_ANYARRAY:
        return t && t->category == 'A' && t->element;
    case OID_ANYENUM:
        return t && t->category == 'E';
    case OID_ANYRANGE:
        return t && t->category == 'R';
    case OID_RECORD:
        return t && type_is_composite(t);
    case OID_BPCHAR: /* text is taken for it, too, where it is named */
        return type == OID_BPCHAR || beneath(type) == OID_TEXT;
    default:
        return c->type == beneath(type);
    }
}

const struct opclass *opclass_default(uint32_t method, uint32_t type)
{
    const struct opclass *found = NULL;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].method == method && rows[i].is_default && opclass_takes(&rows[i], type) &&
            (!found || rows[i].type == beneath(type)))
            found = &rows[i];
    return found;
}

const struct opclass *opclass_by_name(uint32_t method, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].method == method && strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

const struct opclass *opclass_by_oid(uint32_t oid)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].oid == oid)
            return &rows[i];
    return NULL;
}
