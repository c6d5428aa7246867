/*
 * Comparisons. SQLite compares what it stores as PostgreSQL does (ints and floats exactly, text by
 * bytes as in collation C), hence all of them are emitted as SQLite's own operators, which is what
 * lets it use indexes. Numeric brings its collation along, char(n) SQLite's own that ignores blanks
 * at the end.
 */
#include "types/types_int.h"

static int compare_values(const struct value *x, const struct value *y)
{
    if (x->kind == VALUE_INT && y->kind == VALUE_INT)
        return (x->i > y->i) - (x->i < y->i);
    if (x->kind < VALUE_TEXT || y->kind < VALUE_TEXT) {
        double a = x->kind == VALUE_INT ? (double)x->i : x->r;
        double b = y->kind == VALUE_INT ? (double)y->i : y->r;
        return types__real_compare(a, b);
    }
    int order = memcmp(x->s.p, y->s.p, MIN(x->s.n, y->s.n));
    return order ? order : (x->s.n > y->s.n) - (x->s.n < y->s.n);
}

DEFINE_COMPARISONS(any, compare_values(&v[0], &v[1]))
DEFINE_COMPARISONS(numeric, types__numeric_compare(&v[0], &v[1]))
DEFINE_COMPARISONS(bpchar, types__bpchar_compare(&v[0], &v[1]))

/* xids have no sign: an int of all bits is the largest of them. */
DEFINE_COMPARISON(xid, eq, (uint32_t)v[0].i != (uint32_t)v[1].i, ==)
DEFINE_COMPARISON(xid, ne, (uint32_t)v[0].i != (uint32_t)v[1].i, !=)

#define SIX(x, y)                                                                                  \
    BINARY_EMIT("=", x, y, OID_BOOL, "($1 = $2)", any_eq),                                         \
        BINARY_EMIT("<>", x, y, OID_BOOL, "($1 <> $2)", any_ne),                                   \
        BINARY_EMIT("<", x, y, OID_BOOL, "($1 < $2)", any_lt),                                     \
        BINARY_EMIT("<=", x, y, OID_BOOL, "($1 <= $2)", any_le),                                   \
        BINARY_EMIT(">", x, y, OID_BOOL, "($1 > $2)", any_gt),                                     \
        BINARY_EMIT(">=", x, y, OID_BOOL, "($1 >= $2)", any_ge)

#define BPCHAR(op, name)                                                                           \
    BINARY_EMIT(op, OID_BPCHAR, OID_BPCHAR, OID_BOOL, "($1 " op " $2 COLLATE RTRIM)", bpchar_##name)
#define NUMERIC(op, name)                                                                          \
    BINARY_EMIT(op, OID_NUMERIC, OID_NUMERIC, OID_BOOL, "($1 " op " $2 COLLATE minisql_numeric)",  \
                numeric_##name)

/* By the collation of the type, so that there is nothing to call */
#define ARRAY(op) BINARY_EMIT(op, OID_ANYARRAY, OID_ANYARRAY, OID_BOOL, "($1 " op " $2$C)", NULL)
#define VECTOR(op) BINARY_EMIT(op, OID_OIDVECTOR, OID_OIDVECTOR, OID_BOOL, "($1 " op " $2$C)", NULL)

static const struct func rows[] = {
    SIX(OID_INT2, OID_INT2),
    SIX(OID_INT2, OID_INT4),
    SIX(OID_INT2, OID_INT8),
    SIX(OID_INT4, OID_INT2),
    SIX(OID_INT4, OID_INT4),
    SIX(OID_INT4, OID_INT8),
    SIX(OID_INT8, OID_INT2),
    SIX(OID_INT8, OID_INT4),
    SIX(OID_INT8, OID_INT8),
    SIX(OID_FLOAT4, OID_FLOAT4),
    SIX(OID_FLOAT4, OID_FLOAT8),
    SIX(OID_FLOAT8, OID_FLOAT4),
    SIX(OID_FLOAT8, OID_FLOAT8),
    SIX(OID_TEXT, OID_TEXT),
    BPCHAR("=", eq),
    BPCHAR("<>", ne),
    BPCHAR("<", lt),
    BPCHAR("<=", le),
    BPCHAR(">", gt),
    BPCHAR(">=", ge),
    SIX(OID_NAME, OID_NAME),
    SIX(OID_NAME, OID_TEXT),
    SIX(OID_TEXT, OID_NAME),
    SIX(OID_BOOL, OID_BOOL),
    SIX(OID_OID, OID_OID),
    SIX(OID_TID, OID_TID),
    SIX(OID_UUID, OID_UUID),
    SIX(OID_BIT, OID_BIT),
    SIX(OID_VARBIT, OID_VARBIT),
    SIX(OID_MACADDR, OID_MACADDR),
    SIX(OID_MONEY, OID_MONEY),
    SIX(OID_MACADDR8, OID_MACADDR8),
    SIX(OID_BYTEA, OID_BYTEA),
    SIX(OID_DATE, OID_DATE),
    SIX(OID_TIME, OID_TIME),
    SIX(OID_TIMETZ, OID_TIMETZ),
    SIX(OID_TIMESTAMP, OID_TIMESTAMP),
    SIX(OID_TIMESTAMPTZ, OID_TIMESTAMPTZ),
    SIX(OID_ANYENUM, OID_ANYENUM),
    ARRAY("="),
    ARRAY("<>"),
    ARRAY("<"),
    ARRAY("<="),
    ARRAY(">"),
    ARRAY(">="),
    SIX(OID_CHAR, OID_CHAR),
    VECTOR("="),
    VECTOR("<>"),
    VECTOR("<"),
    VECTOR("<="),
    VECTOR(">"),
    VECTOR(">="),
    BINARY_EMIT("=", OID_XID, OID_XID, OID_BOOL, "($1 = $2)", any_eq),
    BINARY_EMIT("<>", OID_XID, OID_XID, OID_BOOL, "($1 <> $2)", any_ne),
    BINARY_EMIT("=", OID_XID, OID_INT4, OID_BOOL, "($1 = ($2 & 4294967295))", xid_eq),
    BINARY_EMIT("<>", OID_XID, OID_INT4, OID_BOOL, "($1 <> ($2 & 4294967295))", xid_ne),
    NUMERIC("=", eq),
    NUMERIC("<>", ne),
    NUMERIC("<", lt),
    NUMERIC("<=", le),
    NUMERIC(">", gt),
    NUMERIC(">=", ge),
};

const struct func_rows types__compare_funcs = {rows, ARRAY_LEN(rows)};
