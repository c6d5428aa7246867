/*
 * The types: one row each, with its names, its text and binary forms and its order.
 *
 * What SQLite holds (struct value) is the type's storage: ints, bool, oid, dates and times as
 * INTEGER, floats as REAL, everything else as TEXT. Invariants that every parse and recv
 * establishes, and that all other code relies on: text is valid UTF-8 without 0 bytes; a char(n)
 * has its blanks, which its order and its casts to other types ignore; a float4 is rounded to
 * float4; numeric text has the form that numeric.c prints; dates and timestamps lie in PostgreSQL's
 * range or are infinite.
 */
#include "types/types_int.h"

#include <ctype.h>
#include <math.h>
#include <strings.h>

#define PARSE(name)                                                                                \
    static struct error *name(const struct type *self, const char *s, size_t n, int32_t typmod,    \
                              struct arena *a, struct value *ret)
#define PRINT(name)                                                                                \
    static void name(const struct type *self, const struct value *v, int32_t typmod,               \
                     struct buf *out)
#define COMPARE(name)                                                                              \
    static int name(const struct type *self, const struct value *x, const struct value *y)
/* Forms that live in a file of their own and need not know their type */
#define PARSE_BY(name, fn)                                                                         \
    PARSE(name)                                                                                    \
    {                                                                                              \
        return fn(s, n, typmod, a, ret);                                                           \
    }
#define PRINT_BY(name, fn)                                                                         \
    PRINT(name)                                                                                    \
    {                                                                                              \
        fn(v, typmod, out);                                                                        \
    }
#define COMPARE_BY(name, fn)                                                                       \
    COMPARE(name)                                                                                  \
    {                                                                                              \
        return fn(x, y);                                                                           \
    }

static struct error *bad_binary(void)
{
    return error_new(E_BAD_BINARY, "incorrect binary data format");
}

/* ---- bool ---- */

PARSE(bool_parse)
{
    static const struct {
        const char *word;
        size_t shortest; /* prefixes of at least this length are accepted */
        bool value;
    } words[] = {{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false},
                 {"on", 2, true},   {"off", 2, false},   {"1", 1, true},   {"0", 1, false}};
    const char *p = s;
    size_t len = n;
    while (len && isspace((unsigned char)*p))
        p++, len--;
    while (len && isspace((unsigned char)p[len - 1]))
        len--;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (len >= words[i].shortest && len <= strlen(words[i].word) &&
            strncasecmp(p, words[i].word, len) == 0) {
            *ret = value_int(words[i].value);
            return NULL;
        }
    return error_new(E_BAD_TEXT, "invalid input syntax for type boolean: \"%.*s\"",
                     (int)MIN(n, 1000), s);
}

PRINT(bool_print)
{
    buf_append(out, v->i ? "t" : "f", 1);
}

PARSE(bool_recv)
{
    if (n != 1)
        return bad_binary();
    *ret = value_int(s[0] != 0);
    return NULL;
}

PRINT(bool_send)
{
    buf_put8(out, v->i != 0);
}

/* ---- integers ---- */

static struct error *int_parse(const char *s, size_t n, int size, struct value *ret)
{
    int64_t i = 0;
    TRY(types__int_parse(s, n, size, &i));
    *ret = value_int(i);
    return NULL;
}

PARSE(int2_parse)
{
    return int_parse(s, n, 2, ret);
}

PARSE(int4_parse)
{
    return int_parse(s, n, 4, ret);
}

PARSE(int8_parse)
{
    return int_parse(s, n, 8, ret);
}

PARSE(oid_parse)
{
    int64_t i = 0;
    struct error *e = types__int_parse(s, n, 8, &i);
    bool range = !e && (i > UINT32_MAX || i < INT32_MIN);
    if (e) {
        bool syntax = error_is(e, E_BAD_TEXT);
        error_free(e);
        if (syntax)
            return error_new(E_BAD_TEXT, "invalid input syntax for type oid: \"%.*s\"",
                             (int)MIN(n, 1000), s);
        range = true;
    }
    if (range)
        return error_new(E_OUT_OF_RANGE, "value \"%.*s\" is out of range for type oid",
                         (int)MIN(n, 1000), s);
    *ret = value_int((uint32_t)i);
    return NULL;
}

PARSE(xid_parse) /* as strtoul() */
{
    char digits[24] = "";
    memcpy(digits, s, MIN(n, sizeof(digits) - 1));
    *ret = value_int((uint32_t)strtoul(digits, NULL, 0));
    return NULL;
}

/* "(block,offset)": one number, of which the offset is the lowest 16 bits. Blocks may be of 48 bits
 * here, since it is a row's number in the file (ctid), and that may be anything. */
PARSE(tid_parse)
{
    enum { MAX_OFFSET = UINT16_MAX };
    char text[64] = "", *end = text, *comma;
    memcpy(text, s, MIN(n, sizeof(text) - 1));
    char *open = strchr(text, '('), *first = open ? open + 1 : NULL;
    unsigned long long block = first ? strtoull(first, &end, 10) : 0;
    comma = first && end > first && *end == ',' ? end : NULL;
    unsigned long long offset = comma ? strtoull(comma + 1, &end, 10) : 0;
    if (!comma || end == comma + 1 || *end != ')' || offset > MAX_OFFSET || block >> 48 ||
        n >= sizeof(text))
        return error_new(E_BAD_TEXT, "invalid input syntax for type tid: \"%.*s\"",
                         (int)MIN(n, 100), s);
    *ret = value_int((int64_t)(block << 16 | offset));
    return NULL;
}

PRINT(tid_print)
{
    uint64_t at = (uint64_t)v->i;
    buf_printf(out, "(%llu,%u)", (unsigned long long)(at >> 16), (unsigned)(uint16_t)at);
}

/* Where the block does not fit PostgreSQL's six bytes, there are eight. */
PARSE(tid_recv)
{
    struct reader r = reader_of(s, n);
    uint64_t block = n == 8 ? (uint64_t)read16(&r) << 32 : 0;
    block |= read32(&r);
    *ret = value_int((int64_t)(block << 16 | read16(&r)));
    return reader_ok(&r) && (n == 6 || n == 8) ? NULL : bad_binary();
}

PRINT(tid_send)
{
    uint64_t at = (uint64_t)v->i;
    if (at >> 48)
        buf_put16(out, (uint16_t)(at >> 48));
    buf_put32(out, (uint32_t)(at >> 16));
    buf_put16(out, (uint16_t)at);
}

PRINT(int_print)
{
    types__int_print(v->i, out);
}

PARSE(int2_recv)
{
    struct reader r = reader_of(s, n);
    *ret = value_int((int16_t)read16(&r));
    return reader_ok(&r) && n == 2 ? NULL : bad_binary();
}

PARSE(int4_recv)
{
    struct reader r = reader_of(s, n);
    *ret = value_int((int32_t)read32(&r));
    return reader_ok(&r) && n == 4 ? NULL : bad_binary();
}

PARSE(int8_recv)
{
    struct reader r = reader_of(s, n);
    *ret = value_int((int64_t)read64(&r));
    return reader_ok(&r) && n == 8 ? NULL : bad_binary();
}

PARSE(oid_recv)
{
    struct reader r = reader_of(s, n);
    *ret = value_int(read32(&r));
    return reader_ok(&r) && n == 4 ? NULL : bad_binary();
}

PRINT(int2_send)
{
    buf_put16(out, (uint16_t)v->i);
}

PRINT(int4_send)
{
    buf_put32(out, (uint32_t)v->i);
}

PRINT(int8_send)
{
    buf_put64(out, (uint64_t)v->i);
}

COMPARE(int_compare)
{
    return (x->i > y->i) - (x->i < y->i);
}

/* ---- floats ---- */

/* An expression of float type may come out of SQLite as INTEGER (sum() of nothing but ints). */
static double real_of(const struct value *v)
{
    return v->kind == VALUE_INT ? (double)v->i : v->r;
}

PARSE(float4_parse)
{
    double r = 0;
    TRY(types__float_parse(s, n, true, &r));
    *ret = value_real(r);
    return NULL;
}

PARSE(float8_parse)
{
    double r = 0;
    TRY(types__float_parse(s, n, false, &r));
    *ret = value_real(r);
    return NULL;
}

PRINT(float4_print)
{
    types__float4_show((float)real_of(v), out);
}

PRINT(float8_print)
{
    types__float8_show(real_of(v), out);
}

PARSE(float4_recv)
{
    struct reader r = reader_of(s, n);
    union {
        uint32_t bits;
        float f;
    } u = {.bits = read32(&r)};
    if (!reader_ok(&r) || n != 4)
        return bad_binary();
    *ret = value_real((double)u.f);
    return NULL;
}

PARSE(float8_recv)
{
    struct reader r = reader_of(s, n);
    union {
        uint64_t bits;
        double d;
    } u = {.bits = read64(&r)};
    if (!reader_ok(&r) || n != 8)
        return bad_binary();
    *ret = value_real(u.d);
    return NULL;
}

PRINT(float4_send)
{
    union {
        float f;
        uint32_t bits;
    } u = {.f = (float)real_of(v)};
    buf_put32(out, u.bits);
}

PRINT(float8_send)
{
    union {
        double d;
        uint64_t bits;
    } u = {.d = real_of(v)};
    buf_put64(out, u.bits);
}

COMPARE(real_compare)
{
    return types__real_compare(real_of(x), real_of(y));
}

/* ---- text ---- */

PARSE(text_parse)
{
    TRY(types__utf8_check(s, n));
    *ret = value_text(s, n);
    return NULL;
}

PARSE(varchar_parse)
{
    TRY(types__utf8_check(s, n));
    struct value v = value_text(s, n);
    TRY(types__varchar_fit(&v, typmod, true));
    *ret = v;
    return NULL;
}

PARSE(bpchar_parse)
{
    TRY(types__utf8_check(s, n));
    struct value v = value_text(s, n);
    TRY(types__bpchar_fit(&v, typmod, true, a));
    *ret = v;
    return NULL;
}

PARSE(name_parse)
{
    TRY(types__utf8_check(s, n));
    if (n > NAME_MAX_BYTES) /* cut at a character, without a word, as PostgreSQL does */
        for (n = NAME_MAX_BYTES; n && (s[n] & 0xc0) == 0x80;)
            n--;
    *ret = value_text(s, n);
    return NULL;
}

PRINT(text_print)
{
    buf_append(out, v->s.p, v->s.n);
}

COMPARE(text_compare)
{
    int order = memcmp(x->s.p, y->s.p, MIN(x->s.n, y->s.n));
    return order ? order : (x->s.n > y->s.n) - (x->s.n < y->s.n);
}

/* "char": one byte. It is kept as it is printed: byte 0 as nothing at all, and what is not ASCII
 * in octal digits, \377. */

static bool is_octal(const char *s, size_t n)
{
    return n == 4 && s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
           s[3] >= '0' && s[3] <= '7';
}

int types__char_byte(const struct value *v)
{
    if (is_octal(v->s.p, v->s.n))
        return (v->s.p[1] - '0') * 64 + (v->s.p[2] - '0') * 8 + (v->s.p[3] - '0');
    return v->s.n ? (unsigned char)v->s.p[0] : 0;
}

struct value types__char_of(int byte, struct arena *a)
{
    char *text = byte < 128 ? arena_printf(a, "%c", byte) : arena_printf(a, "\\%03o", byte);
    return value_text(text, strlen(text));
}

PARSE(char_parse)
{
    const struct value text = value_text(s, n);
    *ret = types__char_of(types__char_byte(&text), a);
    return NULL;
}

PARSE(char_recv)
{
    if (n != 1)
        return bad_binary();
    *ret = types__char_of((unsigned char)s[0], a);
    return NULL;
}

PRINT(char_send)
{
    buf_put8(out, (uint8_t)types__char_byte(v));
}

/* ---- date and time ---- */

PARSE(date_parse)
{
    int64_t days = 0;
    TRY(types__date_parse(s, n, &days));
    *ret = value_int(days);
    return NULL;
}

PRINT(date_print)
{
    types__date_print((int32_t)v->i, out);
}

PARSE(date_recv)
{
    TRY(int4_recv(self, s, n, typmod, a, ret));
    return types__date_valid(ret->i) ? NULL : error_new(E_DATETIME_RANGE, "date out of range");
}

static struct error *timestamp_parse_as(const char *s, size_t n, bool zone, int32_t typmod,
                                        struct value *ret)
{
    int64_t us = 0;
    TRY(types__timestamp_parse(s, n, zone, typmod, &us));
    *ret = value_int(us);
    return NULL;
}

PARSE(timestamp_parse)
{
    return timestamp_parse_as(s, n, false, typmod, ret);
}

PARSE(timestamptz_parse)
{
    return timestamp_parse_as(s, n, true, typmod, ret);
}

PRINT(timestamp_print)
{
    types__timestamp_print(v->i, false, out);
}

PRINT(timestamptz_print)
{
    types__timestamp_print(v->i, true, out);
}

PARSE(timestamp_recv)
{
    TRY(int8_recv(self, s, n, typmod, a, ret));
    if (!types__timestamp_valid(ret->i))
        return error_new(E_DATETIME_RANGE, "timestamp out of range");
    return types__timestamp_fit(ret->i, typmod, &ret->i);
}

PARSE(time_parse)
{
    int64_t us = 0;
    TRY(types__time_parse(s, n, typmod, &us));
    *ret = value_int(us);
    return NULL;
}

PRINT(interval_print_row)
{
    types__interval_show(v, out);
}

PRINT(time_print)
{
    types__time_print(v->i, out);
}

PARSE(timetz_parse)
{
    int64_t packed = 0;
    TRY(types__timetz_parse(s, n, typmod, &packed));
    *ret = value_int(packed);
    return NULL;
}

PRINT(timetz_print)
{
    types__timetz_print(v->i, out);
}

PRINT(timetz_send)
{
    int32_t east;
    int64_t us = types__timetz_unpack(v->i, &east);
    buf_put64(out, (uint64_t)us);
    buf_put32(out, (uint32_t)-east);
}

PARSE(timetz_recv)
{
    struct reader r = reader_of(s, n);
    int64_t us = (int64_t)read64(&r), packed = 0;
    int32_t west = (int32_t)read32(&r);
    if (!reader_ok(&r) || n != 12)
        return bad_binary();
    TRY(types__timetz_recv(us, west, typmod, &packed));
    *ret = value_int(packed);
    return NULL;
}

PARSE(time_recv)
{
    TRY(int8_recv(self, s, n, typmod, a, ret));
    if (ret->i < 0 || ret->i > DAY_US)
        return error_new(E_DATETIME_RANGE, "time out of range");
    return types__timestamp_fit(ret->i, typmod, &ret->i);
}

/* ---- numeric, void, record ---- */

PRINT(numeric_send)
{
    types__numeric_send(v, out);
}

PARSE_BY(numeric_parse, types__numeric_parse)
PARSE_BY(numeric_recv, types__numeric_recv)
COMPARE_BY(numeric_compare, types__numeric_compare)
COMPARE_BY(bpchar_compare, types__bpchar_compare)
PARSE_BY(bytea_parse, types__bytea_parse)
PRINT_BY(bytea_print, types__bytea_show)
PARSE_BY(bytea_recv, types__bytea_recv)
PRINT_BY(bytea_send, types__bytea_send)
PARSE_BY(uuid_parse, types__uuid_parse)
PARSE_BY(uuid_recv, types__uuid_recv)
PRINT_BY(uuid_send, types__uuid_send)
PARSE_BY(inet_parse, types__inet_parse)
PARSE_BY(cidr_parse, types__cidr_parse)
PRINT_BY(inet_print, types__inet_print)
PARSE_BY(inet_recv, types__inet_recv)
PARSE_BY(cidr_recv, types__cidr_recv)
PRINT_BY(inet_send, types__inet_send)
PRINT_BY(cidr_send, types__cidr_send)
COMPARE_BY(inet_compare, types__inet_compare)
PARSE_BY(money_parse, types__money_parse)
PRINT_BY(money_print, types__money_print)
PARSE_BY(macaddr_parse, types__macaddr_parse)
PARSE_BY(macaddr8_parse, types__macaddr8_parse)
PARSE_BY(macaddr_recv, types__macaddr_recv)
PARSE_BY(macaddr8_recv, types__macaddr8_recv)
PRINT_BY(macaddr_send, types__macaddr_send)
PARSE_BY(interval_parse, types__interval_parse)
PARSE_BY(interval_recv, types__interval_recv)
PRINT_BY(interval_send, types__interval_send)
COMPARE_BY(interval_compare, types__interval_compare)

PARSE(void_parse)
{
    *ret = value_text("", 0);
    return NULL;
}

PRINT(void_print)
{
}

/* ---- the rows ---- */

#define COLLATION(name) .collation = name, .collate = " COLLATE " name
#define TEXT_FORMS .print = text_print, .send = text_print, .compare = text_compare

/* What holds an oid, and pseudo-types, which no value has */
#define REG(id, type_name, array_oid)                                                              \
    {                                                                                              \
        .oid = id, .name = type_name, .sql_name = type_name, .size = 4, .array = array_oid,        \
        .category = 'N', .storage = VALUE_INT, .column = true, .parse = types__reg_parse,          \
        .print = types__reg_print, .recv = oid_recv, .send = int4_send, .compare = int_compare     \
    }
#define VECTOR(array_oid)                                                                          \
    .size = -1, .array = array_oid, .category = 'A', .storage = VALUE_TEXT, .column = true,        \
    .parse = types__vector_parse, .print = types__vector_print, .recv = types__array_recv,         \
    .send = types__array_send, .compare = types__array_order
#define RANGE(id, type_name, number, array_oid, of)                                                \
    {                                                                                              \
        .oid = id, .name = type_name, .sql_name = type_name, .size = -1, .array = array_oid,       \
        .category = 'R', .storage = VALUE_TEXT, .column = true,                                    \
        COLLATION("minisql_type_" #number), .parse = types__range_parse,                           \
        .print = types__range_print, .recv = types__range_recv, .send = types__range_send,         \
        .compare = types__range_compare, .data = &(const uint32_t){of},                            \
        .data_size = sizeof(uint32_t)                                                              \
    }
#define BITS(id, type_name, long_name, array_oid, is_preferred)                                    \
    {                                                                                              \
        .oid = id, .name = type_name, .sql_name = long_name, .size = -1, .array = array_oid,       \
        .category = 'V', .preferred = is_preferred, .storage = VALUE_TEXT, .column = true,         \
        .parse = types__bit_parse, .print = text_print, .recv = types__bit_recv,                   \
        .send = types__bit_send, .compare = text_compare                                           \
    }
#define PSEUDO(id, type_name, bytes)                                                               \
    {                                                                                              \
        .oid = id, .name = type_name, .sql_name = type_name, .size = bytes, .category = 'P',       \
        .storage = VALUE_TEXT, .parse = types__record_parse, .recv = types__record_recv,           \
        TEXT_FORMS                                                                                 \
    }

static const struct type rows[] = {
    {.oid = OID_BOOL,
     .name = "bool",
     .sql_name = "boolean",
     .size = 1,
     .array = 1000,
     .category = 'B',
     .preferred = true,
     .storage = VALUE_INT,
     .column = true,
     .parse = bool_parse,
     .print = bool_print,
     .recv = bool_recv,
     .send = bool_send,
     .compare = int_compare},
    {.oid = OID_INT2,
     .name = "int2",
     .sql_name = "smallint",
     .size = 2,
     .array = 1005,
     .category = 'N',
     .storage = VALUE_INT,
     .column = true,
     .parse = int2_parse,
     .print = int_print,
     .recv = int2_recv,
     .send = int2_send,
     .compare = int_compare},
    {.oid = OID_INT4,
     .name = "int4",
     .sql_name = "integer",
     .size = 4,
     .array = 1007,
     .category = 'N',
     .storage = VALUE_INT,
     .column = true,
     .parse = int4_parse,
     .print = int_print,
     .recv = int4_recv,
     .send = int4_send,
     .compare = int_compare},
    {.oid = OID_INT8,
     .name = "int8",
     .sql_name = "bigint",
     .size = 8,
     .array = 1016,
     .category = 'N',
     .storage = VALUE_INT,
     .column = true,
     .parse = int8_parse,
     .print = int_print,
     .recv = int8_recv,
     .send = int8_send,
     .compare = int_compare},
    {.oid = OID_FLOAT4,
     .name = "float4",
     .sql_name = "real",
     .size = 4,
     .array = 1021,
     .category = 'N',
     .storage = VALUE_REAL,
     .column = true,
     .parse = float4_parse,
     .print = float4_print,
     .recv = float4_recv,
     .send = float4_send,
     .compare = real_compare},
    {.oid = OID_FLOAT8,
     .name = "float8",
     .sql_name = "double precision",
     .size = 8,
     .array = 1022,
     .category = 'N',
     .preferred = true,
     .storage = VALUE_REAL,
     .column = true,
     .parse = float8_parse,
     .print = float8_print,
     .recv = float8_recv,
     .send = float8_send,
     .compare = real_compare},
    {.oid = OID_TEXT,
     .name = "text",
     .sql_name = "text",
     .size = -1,
     .array = 1009,
     .category = 'S',
     .preferred = true,
     .storage = VALUE_TEXT,
     .column = true,
     .parse = text_parse,
     .recv = text_parse,
     TEXT_FORMS},
    {.oid = OID_VARCHAR,
     .name = "varchar",
     .sql_name = "character varying",
     .size = -1,
     .array = 1015,
     .category = 'S',
     .storage = VALUE_TEXT,
     .column = true,
     .parse = varchar_parse,
     .recv = varchar_parse,
     TEXT_FORMS},
    {.oid = OID_BPCHAR,
     .name = "bpchar",
     .sql_name = "character",
     .size = -1,
     .array = 1014,
     .category = 'S',
     .storage = VALUE_TEXT,
     .column = true,
     COLLATION("RTRIM"), /* SQLite's own */
     .parse = bpchar_parse,
     .recv = bpchar_parse,
     .print = text_print,
     .send = text_print,
     .compare = bpchar_compare},
    {.oid = OID_NAME,
     .name = "name",
     .sql_name = "name",
     .size = 64,
     .array = 1003,
     .category = 'S',
     .storage = VALUE_TEXT,
     .column = true,
     .parse = name_parse,
     .recv = name_parse,
     TEXT_FORMS},
    {.oid = OID_UNKNOWN,
     .name = "unknown",
     .sql_name = "unknown",
     .size = -2,
     .category = 'X',
     .storage = VALUE_TEXT,
     .parse = text_parse,
     .recv = text_parse,
     TEXT_FORMS},
    {.oid = OID_OID,
     .name = "oid",
     .sql_name = "oid",
     .size = 4,
     .array = 1028,
     .category = 'N',
     .preferred = true,
     .storage = VALUE_INT,
     .column = true,
     .parse = oid_parse,
     .print = int_print,
     .recv = oid_recv,
     .send = int4_send,
     .compare = int_compare},
    {.oid = OID_NUMERIC,
     .name = "numeric",
     .sql_name = "numeric",
     .size = -1,
     .array = 1231,
     .category = 'N',
     .storage = VALUE_TEXT,
     .column = true,
     COLLATION("minisql_numeric"),
     .parse = numeric_parse,
     .print = text_print,
     .recv = numeric_recv,
     .send = numeric_send,
     .compare = numeric_compare},
    {.oid = OID_BYTEA,
     .name = "bytea",
     .sql_name = "bytea",
     .size = -1,
     .array = 1001,
     .category = 'U',
     .storage = VALUE_BLOB,
     .column = true,
     .parse = bytea_parse,
     .print = bytea_print,
     .recv = bytea_recv,
     .send = bytea_send,
     .compare = text_compare},
    {.oid = OID_UUID,
     .name = "uuid",
     .sql_name = "uuid",
     .size = 16,
     .array = 2951,
     .category = 'U',
     .storage = VALUE_TEXT,
     .column = true,
     .parse = uuid_parse,
     .print = text_print,
     .recv = uuid_recv,
     .send = uuid_send,
     .compare = text_compare},
    {.oid = OID_INET,
     .name = "inet",
     .sql_name = "inet",
     .size = -1,
     .array = 1041,
     .category = 'I',
     .preferred = true,
     .storage = VALUE_TEXT,
     .column = true,
     COLLATION("minisql_inet"),
     .parse = inet_parse,
     .print = inet_print,
     .recv = inet_recv,
     .send = inet_send,
     .compare = inet_compare},
    {.oid = OID_CIDR,
     .name = "cidr",
     .sql_name = "cidr",
     .size = -1,
     .array = 651,
     .category = 'I',
     .storage = VALUE_TEXT,
     .column = true,
     COLLATION("minisql_inet"),
     .parse = cidr_parse,
     .print = text_print,
     .recv = cidr_recv,
     .send = cidr_send,
     .compare = inet_compare},
    RANGE(OID_INT4RANGE, "int4range", 3904, 3905, OID_INT4),
    RANGE(OID_INT8RANGE, "int8range", 3926, 3927, OID_INT8),
    RANGE(OID_NUMRANGE, "numrange", 3906, 3907, OID_NUMERIC),
    RANGE(OID_DATERANGE, "daterange", 3912, 3913, OID_DATE),
    RANGE(OID_TSRANGE, "tsrange", 3908, 3909, OID_TIMESTAMP),
    RANGE(OID_TSTZRANGE, "tstzrange", 3910, 3911, OID_TIMESTAMPTZ),
    {.oid = OID_MONEY,
     .name = "money",
     .sql_name = "money",
     .size = 8,
     .array = 791,
     .category = 'N',
     .storage = VALUE_INT,
     .column = true,
     .parse = money_parse,
     .print = money_print,
     .recv = int8_recv,
     .send = int8_send,
     .compare = int_compare},
    {.oid = OID_MACADDR,
     .name = "macaddr",
     .sql_name = "macaddr",
     .size = 6,
     .array = 1040,
     .category = 'U',
     .storage = VALUE_TEXT,
     .column = true,
     .parse = macaddr_parse,
     .print = text_print,
     .recv = macaddr_recv,
     .send = macaddr_send,
     .compare = text_compare},
    {.oid = OID_MACADDR8,
     .name = "macaddr8",
     .sql_name = "macaddr8",
     .size = 8,
     .array = 775,
     .category = 'U',
     .storage = VALUE_TEXT,
     .column = true,
     .parse = macaddr8_parse,
     .print = text_print,
     .recv = macaddr8_recv,
     .send = macaddr_send,
     .compare = text_compare},
    BITS(OID_BIT, "bit", "bit", 1561, false),
    BITS(OID_VARBIT, "varbit", "bit varying", 1563, true),
    {.oid = OID_JSON,
     .name = "json",
     .sql_name = "json",
     .size = -1,
     .array = 199,
     .category = 'U',
     .storage = VALUE_TEXT,
     .column = true,
     .parse = types__json_parse,
     .recv = types__json_parse,
     TEXT_FORMS},
    {.oid = OID_JSONB,
     .name = "jsonb",
     .sql_name = "jsonb",
     .size = -1,
     .array = 3807,
     .category = 'U',
     .storage = VALUE_TEXT,
     .column = true,
     COLLATION("minisql_type_3802"),
     .parse = types__jsonb_parse,
     .print = text_print,
     .recv = types__jsonb_recv,
     .send = types__jsonb_send,
     .compare = types__jsonb_compare},
    {.oid = OID_JSONPATH,
     .name = "jsonpath",
     .sql_name = "jsonpath",
     .size = -1,
     .array = 4073,
     .category = 'U',
     .storage = VALUE_TEXT,
     .column = true,
     .parse = types__jsonpath_parse,
     .print = text_print,
     .recv = types__jsonpath_recv,
     .send = types__jsonb_send,
     .compare = text_compare},
    {.oid = OID_DATE,
     .name = "date",
     .sql_name = "date",
     .size = 4,
     .array = 1182,
     .category = 'D',
     .storage = VALUE_INT,
     .column = true,
     .parse = date_parse,
     .print = date_print,
     .recv = date_recv,
     .send = int4_send,
     .compare = int_compare},
    {.oid = OID_TIME,
     .name = "time",
     .sql_name = "time without time zone",
     .size = 8,
     .array = 1183,
     .category = 'D',
     .storage = VALUE_INT,
     .column = true,
     .parse = time_parse,
     .print = time_print,
     .recv = time_recv,
     .send = int8_send,
     .compare = int_compare},
    {.oid = OID_TIMETZ,
     .name = "timetz",
     .sql_name = "time with time zone",
     .size = 12,
     .array = 1270,
     .category = 'D',
     .storage = VALUE_INT,
     .column = true,
     .parse = timetz_parse,
     .print = timetz_print,
     .recv = timetz_recv,
     .send = timetz_send,
     .compare = int_compare},
    {.oid = OID_INTERVAL,
     .name = "interval",
     .sql_name = "interval",
     .size = 16,
     .array = 1187,
     .category = 'T',
     .preferred = true,
     .storage = VALUE_TEXT,
     .column = true,
     COLLATION("minisql_interval"),
     .parse = interval_parse,
     .print = interval_print_row,
     .recv = interval_recv,
     .send = interval_send,
     .compare = interval_compare},
    {.oid = OID_TIMESTAMP,
     .name = "timestamp",
     .sql_name = "timestamp without time zone",
     .size = 8,
     .array = 1115,
     .category = 'D',
     .storage = VALUE_INT,
     .column = true,
     .parse = timestamp_parse,
     .print = timestamp_print,
     .recv = timestamp_recv,
     .send = int8_send,
     .compare = int_compare},
    {.oid = OID_TIMESTAMPTZ,
     .name = "timestamptz",
     .sql_name = "timestamp with time zone",
     .size = 8,
     .array = 1185,
     .category = 'D',
     .preferred = true,
     .storage = VALUE_INT,
     .column = true,
     .parse = timestamptz_parse,
     .print = timestamptz_print,
     .recv = timestamp_recv,
     .send = int8_send,
     .compare = int_compare},
    {.oid = OID_VOID,
     .name = "void",
     .sql_name = "void",
     .size = 4,
     .category = 'P',
     .storage = VALUE_TEXT,
     .parse = void_parse,
     .recv = void_parse,
     .print = void_print,
     .send = void_print,
     .compare = text_compare},
    {.oid = OID_RECORD,
     .name = "record",
     .sql_name = "record",
     .size = -1,
     .array = OID_RECORD_ARRAY,
     .category = 'P',
     .storage = VALUE_TEXT,
     COLLATION("minisql_type_2249"),
     .parse = types__record_parse,
     .print = types__record_print,
     .recv = types__record_recv,
     .send = types__record_send,
     .compare = types__record_compare},
    {.oid = OID_CHAR,
     .name = "char",
     .sql_name = "\"char\"",
     .size = 1,
     .array = 1002,
     .category = 'Z',
     .storage = VALUE_TEXT,
     .column = true,
     .parse = char_parse,
     .recv = char_recv,
     .print = text_print,
     .send = char_send,
     .compare = text_compare},
    {.oid = OID_INT2VECTOR,
     .name = "int2vector",
     .sql_name = "int2vector",
     .element = OID_INT2,
     COLLATION("minisql_type_22"),
     VECTOR(1006)},
    {.oid = OID_OIDVECTOR,
     .name = "oidvector",
     .sql_name = "oidvector",
     .element = OID_OID,
     COLLATION("minisql_type_30"),
     VECTOR(1013)},
    {.oid = OID_XID,
     .name = "xid",
     .sql_name = "xid",
     .size = 4,
     .array = 1011,
     .category = 'U',
     .storage = VALUE_INT,
     .column = true,
     .parse = xid_parse,
     .print = int_print,
     .recv = oid_recv,
     .send = int4_send,
     .compare = int_compare},
    {.oid = OID_TID,
     .name = "tid",
     .sql_name = "tid",
     .size = 6,
     .array = 1010,
     .category = 'U',
     .storage = VALUE_INT,
     .column = true,
     .parse = tid_parse,
     .print = tid_print,
     .recv = tid_recv,
     .send = tid_send,
     .compare = int_compare},
    {.oid = OID_NODE_TREE,
     .name = "pg_node_tree",
     .sql_name = "pg_node_tree",
     .size = -1,
     .category = 'Z',
     .storage = VALUE_TEXT,
     .parse = text_parse,
     .recv = text_parse,
     TEXT_FORMS},
    {.oid = OID_ACLITEM,
     .name = "aclitem",
     .sql_name = "aclitem",
     .size = 12,
     .array = 1034,
     .category = 'U',
     .storage = VALUE_TEXT,
     .parse = text_parse,
     .recv = text_parse,
     TEXT_FORMS},
    REG(OID_REGPROC, "regproc", 1008),
    REG(OID_REGPROCEDURE, "regprocedure", 2207),
    REG(OID_REGOPER, "regoper", 2208),
    REG(OID_REGOPERATOR, "regoperator", 2209),
    REG(OID_REGCLASS, "regclass", 2210),
    REG(OID_REGTYPE, "regtype", 2211),
    REG(OID_REGROLE, "regrole", 4097),
    REG(OID_REGNAMESPACE, "regnamespace", 4090),
    {.oid = OID_ANY,
     .name = "any",
     .sql_name = "\"any\"",
     .size = 4,
     .category = 'P',
     .storage = VALUE_TEXT,
     .parse = types__record_parse,
     .recv = types__record_recv,
     TEXT_FORMS},
    {.oid = OID_CSTRING,
     .name = "cstring",
     .sql_name = "cstring",
     .size = -2,
     .array = 1263,
     .category = 'P',
     .storage = VALUE_TEXT,
     .parse = text_parse,
     .recv = text_parse,
     TEXT_FORMS},
    PSEUDO(2279, "trigger", 4),
    PSEUDO(2281, "internal", 8),
    PSEUDO(3838, "event_trigger", 4),
    PSEUDO(OID_ANYARRAY, "anyarray", -1),
    PSEUDO(OID_ANYELEMENT, "anyelement", 4),
    PSEUDO(OID_ANYNONARRAY, "anynonarray", 4),
    PSEUDO(OID_ANYENUM, "anyenum", 4),
    PSEUDO(OID_ANYRANGE, "anyrange", -1),
    PSEUDO(OID_ANYCOMPATIBLE, "anycompatible", 4),
    PSEUDO(OID_ANYCOMPATIBLEARRAY, "anycompatiblearray", -1),
    PSEUDO(OID_ANYCOMPATIBLENONARRAY, "anycompatiblenonarray", 4),
};

const struct type_rows types__rows = {rows, ARRAY_LEN(rows)};

/* ---- values of a type ---- */

static struct error *wrong_kind(const struct type *t)
{
    return error_new(E_INTERNAL, "a value of another kind than %s was about to be stored",
                     t->sql_name);
}

struct error *type_coerce(const struct type *t, int32_t typmod, struct value *v, struct arena *a)
{
    if (v->kind == VALUE_NULL)
        return NULL;
    if (t->storage == VALUE_REAL && v->kind == VALUE_INT)
        *v = value_real((double)v->i);
    if (v->kind != t->storage)
        return wrong_kind(t);
    switch (t->oid) {
    case OID_BOOL:
        v->i = v->i != 0;
        return NULL;
    case OID_INT2:
        return types__int_range(v->i, 2, &v->i);
    case OID_INT4:
        return types__int_range(v->i, 4, &v->i);
    case OID_OID:
        if (v->i < 0 || v->i > UINT32_MAX)
            return error_new(E_OUT_OF_RANGE, "OID out of range");
        return NULL;
    case OID_FLOAT4: {
        double given = v->r;
        v->r = (double)(float)given;
        if (isinf(v->r) && !isinf(given))
            return types__float_overflow();
        return v->r == 0 && given != 0 ? types__float_underflow() : NULL;
    }
    case OID_VARCHAR:
        return types__varchar_fit(v, typmod, true);
    case OID_BPCHAR:
        return types__bpchar_fit(v, typmod, true, a);
    case OID_NUMERIC:
        return types__numeric_fit(v, typmod, a);
    case OID_BIT:
        return types__bit_fit(v, typmod, true, a);
    case OID_VARBIT:
        return types__varbit_fit(v, typmod, true, a);
    case OID_INTERVAL:
        return types__interval_fit(v, typmod, a);
    case OID_DATE:
        return types__date_valid(v->i) ? NULL : error_new(E_DATETIME_RANGE, "date out of range");
    case OID_TIME:
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
        return types__timestamp_fit(v->i, typmod, &v->i);
    case OID_TIMETZ:
        return types__timetz_fit(v->i, typmod, &v->i);
    default:
        return t->category == 'A' && typmod >= 0 ? types__array_fit(t, typmod, true, v, a) : NULL;
    }
}

bool type_reads_clock(const struct type *t, const char *s, size_t n)
{
    const struct type *of = t->category == 'A' ? type_by_oid(t->element) : NULL;
    bool composite = type_is_composite(of ? of : t);
    if (composite ||
        (of && of->category == 'D')) { /* it may be in any place: better once too often */
        static const char *const words[] = {"now", "today", "tomorrow", "yesterday"};
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < ARRAY_LEN(words); k++)
                if (n - i >= strlen(words[k]) && !strncasecmp(s + i, words[k], strlen(words[k])))
                    return true;
        return false;
    }
    if (t->oid == OID_TIME || t->oid == OID_TIMETZ)
        return types__time_reads_clock(s, n, t->oid == OID_TIMETZ);
    return t->category == 'D' && types__datetime_reads_clock(s, n);
}

uint64_t value_hash(const struct value *v)
{
    switch (v->kind) {
    case VALUE_NULL:
        return 0x9e3779b97f4a7c15U;
    case VALUE_INT: {
        uint64_t x = (uint64_t)v->i * 0x9e3779b97f4a7c15U;
        return x ^ (x >> 32);
    }
    case VALUE_REAL: {
        union {
            double d;
            uint64_t bits;
        } u = {.d = v->r == 0 ? 0 : isnan(v->r) ? NAN : v->r}; /* -0 equals 0, NaN itself */
        u.bits *= 0x9e3779b97f4a7c15U;
        return u.bits ^ (u.bits >> 32);
    }
    default: {
        size_t n = types__rtrim_blanks(v->s.p, v->s.n); /* it may be a char(n) */
        return hash_bytes(v->s.p, types__numeric_canonical(v->s.p, n));
    }
    }
}
