/*
 * types: every SQL type, cast, operator, function and aggregate, written once, in C.
 *
 * Tables of rows (struct type, struct func, struct cast) describe them. Three users call the same
 * code: the analyser (sql/) resolves names and argument types against the tables, SQLite calls the
 * functions through types_register(), and the batch executor (exec/) calls them over values.
 * Adding a type or a function means adding a row.
 *
 * Meaning is PostgreSQL 15's; where SQLite's own operator means the same, a row says so in `emit`
 * and SQLite runs it natively.
 */
#pragma once

#include "base/base.h"

typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;

/* What users make, and the schemas that hold it, have object ids from here on. */
enum { FIRST_USER_OID = 16384 };

/* PostgreSQL's object ids of the types that exist so far. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_CHAR = 18, /* "char": one byte */
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT2VECTOR = 22,
    OID_INT4 = 23,
    OID_REGPROC = 24,
    OID_TEXT = 25,
    OID_OID = 26,
    OID_TID = 27,
    OID_XID = 28,
    OID_OIDVECTOR = 30,
    OID_JSON = 114,
    OID_NODE_TREE = 194,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_UNKNOWN = 705,
    OID_INT2_ARRAY = 1005,
    OID_INT4_ARRAY = 1007,
    OID_TEXT_ARRAY = 1009,
    OID_INT8_ARRAY = 1016,
    OID_FLOAT8_ARRAY = 1022,
    OID_OID_ARRAY = 1028,
    OID_ACLITEM = 1033,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_DATE = 1082,
    OID_TIME = 1083,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_INTERVAL = 1186,
    OID_INTERVAL_ARRAY = 1187,
    OID_BIT = 1560,
    OID_VARBIT = 1562,
    OID_TIMETZ = 1266,
    OID_NUMERIC = 1700,
    OID_REGPROCEDURE = 2202,
    OID_REGOPER = 2203,
    OID_REGOPERATOR = 2204,
    OID_REGCLASS = 2205,
    OID_REGTYPE = 2206,
    OID_REGROLE = 4096,
    OID_REGNAMESPACE = 4089,
    OID_RECORD = 2249,
    OID_RECORD_ARRAY = 2287,
    OID_CSTRING = 2275,
    OID_ANY = 2276,
    OID_ANYARRAY = 2277,
    OID_VOID = 2278,
    OID_ANYELEMENT = 2283,
    OID_ANYNONARRAY = 2776,
    OID_CIDR = 650,
    OID_MACADDR8 = 774,
    OID_MONEY = 790,
    OID_MACADDR = 829,
    OID_INET = 869,
    OID_UUID = 2950,
    OID_ANYENUM = 3500,
    OID_JSONB = 3802,
    OID_ANYRANGE = 3831,
    OID_INT4RANGE = 3904,
    OID_NUMRANGE = 3906,
    OID_TSRANGE = 3908,
    OID_TSTZRANGE = 3910,
    OID_DATERANGE = 3912,
    OID_INT8RANGE = 3926,
    OID_JSONPATH = 4072,
    OID_ANYCOMPATIBLE = 5077,
    OID_ANYCOMPATIBLEARRAY = 5078,
    OID_ANYCOMPATIBLENONARRAY = 5079,
};

/* ---- values ------------------------------------------------------------------------------- */

/* A value as SQLite stores it: numeric, interval, uuid, text, char(n) are VALUE_TEXT, bytea
 * VALUE_BLOB, bool is VALUE_INT. A date is VALUE_INT days since 2000-01-01 (INT32_MIN, INT32_MAX:
 * -infinity, infinity), a timestamp or timestamptz VALUE_INT microseconds since 2000-01-01 in UTC
 * (INT64_MIN, INT64_MAX). A time of day is VALUE_INT microseconds since midnight. */
enum value_kind { VALUE_NULL, VALUE_INT, VALUE_REAL, VALUE_TEXT, VALUE_BLOB };

struct value {
    enum value_kind kind;
    union {
        int64_t i;
        double r;
        struct {
            const char *p; /* borrowed: lives as long as what it was read from */
            size_t n;
        } s;
    };
};

/* NaN. SQLite makes NULL of it, so there it is this text, which no text can be since it has a byte
 * 0 at its end; SQLite has texts after all numbers, as PostgreSQL has NaN. Here it is VALUE_REAL.
 */
#define VALUE_NAN_MARK "NaN\0"
enum { VALUE_NAN_LENGTH = 4 };

/* A text that SQLite holds. */
static inline struct value value_of_text(const char *p, size_t n)
{
    if (n == VALUE_NAN_LENGTH && memcmp(p, VALUE_NAN_MARK, VALUE_NAN_LENGTH) == 0)
        return (struct value){.kind = VALUE_REAL, .r = __builtin_nan("")};
    return (struct value){.kind = VALUE_TEXT, .s = {p, n}};
}

/* Any value of SQLite's; text and bytes are borrowed. */
typedef struct sqlite3_value sqlite3_value;
struct value value_of_sqlite(sqlite3_value *v);

/* ---- types -------------------------------------------------------------------------------- */

struct type {
    uint32_t oid;
    const char *name;     /* "int4", as in pg_type */
    const char *sql_name; /* "integer", as in messages and format_type() */
    int16_t size;         /* typlen: bytes, or -1 */
    char category;        /* pg_type.typcategory: 'N', 'S', 'B', .. */
    bool preferred;       /* of its category */
    enum value_kind storage;
    bool column;    /* may be a column's type */
    uint32_t array; /* the type of arrays of it, whose row is made of this one; 0: there is none */
    uint32_t element; /* of an array type, int2vector, oidvector: what it holds; else 0 */
    /* NULL: SQLite's own order of the stored values is the type's. Otherwise a collation that
     * types_register() provides, for ORDER BY, GROUP BY, DISTINCT, UNION, IN, DISTINCT FROM:
     * numeric travels as text, so that 1.0 = 1.00 and 9 < 10 need it. Comparison operators have it
     * in their `emit` already. "minisql_type_<oid>" is there for every type: it calls compare(). */
    const char *collation;
    const char *collate; /* " COLLATE <collation>", or NULL */

    /* The forms; call them through type_parse() and so on. `self` is the row itself, so that one
     * function can serve many types (arrays of all types, enums). */
    struct error *(*parse)(const struct type *self, const char *s, size_t n, int32_t typmod,
                           struct arena *a, struct value *ret);
    void (*print)(const struct type *self, const struct value *v, int32_t typmod, struct buf *out);
    struct error *(*recv)(const struct type *self, const char *s, size_t n, int32_t typmod,
                          struct arena *a, struct value *ret);
    void (*send)(const struct type *self, const struct value *v, int32_t typmod, struct buf *out);
    int (*compare)(const struct type *self, const struct value *x, const struct value *y);

    /* Of a type made at run time: what its forms need (the labels of an enum), as plain bytes */
    const void *data;
    size_t data_size;
};

/* Text form -> value, with typmod (-1: none) applied as in an input function; text values may
 * point into `s`. */
static inline struct error *type_parse(const struct type *t, const char *s, size_t n,
                                       int32_t typmod, struct arena *a, struct value *ret)
{
    return t->parse(t, s, n, typmod, a, ret);
}

/* Value (not null) -> text form, appended. */
static inline void type_print(const struct type *t, const struct value *v, int32_t typmod,
                              struct buf *out)
{
    t->print(t, v, typmod, out);
}

/* Binary wire form -> value; the bytes may be garbage. */
static inline struct error *type_recv(const struct type *t, const char *s, size_t n, int32_t typmod,
                                      struct arena *a, struct value *ret)
{
    return t->recv(t, s, n, typmod, a, ret);
}

/* Value (not null) -> binary wire form, appended without a length. */
static inline void type_send(const struct type *t, const struct value *v, int32_t typmod,
                             struct buf *out)
{
    t->send(t, v, typmod, out);
}

/* Order of two non-null values: <0, 0, >0. */
static inline int type_compare(const struct type *t, const struct value *x, const struct value *y)
{
    return t->compare(t, x, y);
}

/* A typmod of interval: which fields it has (a bit of PostgreSQL's for each; INTERVAL_ALL_FIELDS),
 * and how many digits seconds have (INTERVAL_ALL_DIGITS). */
enum {
    INTERVAL_YEAR = 1 << 2,
    INTERVAL_MONTH = 1 << 1,
    INTERVAL_DAY = 1 << 3,
    INTERVAL_HOUR = 1 << 10,
    INTERVAL_MINUTE = 1 << 11,
    INTERVAL_SECOND = 1 << 12,
    INTERVAL_ALL_FIELDS = 0x7fff,
    INTERVAL_ALL_DIGITS = 0xffff,
};
static inline int32_t interval_typmod(int fields, int digits)
{
    return (int32_t)((uint32_t)fields << 16 | (uint32_t)digits);
}

/* The literal hangs on when it is read ('now', 'today 10:00'): nobody may keep its value with a
 * statement that runs again. A cast from text that runs with the statement is right. */
bool type_reads_clock(const struct type *t, const char *s, size_t n);
const struct type *type_by_oid(uint32_t oid);      /* NULL: no such type */
uint32_t type_range_subtype(uint32_t range);       /* of its bounds; 0: it is no range */
const struct type *type_by_name(const char *name); /* any spelling: int, integer, int4, _int4, .. */
/* Adds a type that the catalog defines at run time (an enum, a domain), with its array type when
 * t->array is set, or changes the row of its oid. The row and all that it points to is copied, and
 * lives until the process ends, as does the old one: readers take no lock. Adding the same again
 * does nothing. type_by_name() does not know such types: their names belong to schemas. Any thread
 * may call it. Returns the row. */
const struct type *type_add(const struct type *t);
/* An enum: labels in their order, with rising values. */
struct enum_label {
    const char *name;
    int64_t value;
};
void types_add_enum(uint32_t oid, uint32_t array, const char *name, const char *sql_name,
                    const struct enum_label *labels, int n);
/* A domain: what is said of it. Values have the type `base`, and no array type is made. */
void types_add_domain(uint32_t oid, const char *name, const char *sql_name, uint32_t base);
/* A composite type: what its fields are. Attributes may be renamed and added later, at the end. */
struct composite_attribute {
    const char *name;
    uint32_t type;
    int32_t typmod;
};
void types_add_composite(uint32_t oid, uint32_t array, const char *name, const char *sql_name,
                         const struct composite_attribute *attributes, int n);
static inline bool type_is_composite(const struct type *t)
{
    return t->category == 'C';
}
static inline bool type_is_row(const struct type *t)
{
    return t->oid == OID_RECORD || type_is_composite(t);
}
/* The fields of a composite type, or of a record that is made with this head; how many. */
int record_shape(const struct type *t, const struct value *head, struct arena *a,
                 struct composite_attribute **ret);
/* Appends a field to the head that a call of RECORD_MAKE begins with; names of composite types'
 * fields are left out. */
void types_record_head(uint32_t type, const char *name, struct buf *out);
enum record_func {
    RECORD_MAKE,  /* (head, values ..) -> record, or a composite type's value */
    RECORD_FIELD, /* (record, its type, which field, the field's type) -> the field */
    RECORD_SET,   /* (composite value, its type, which field, value) -> it with that */
    RECORD_NULLS, /* (record, its type, 1 or 0) -> are all fields NULL? is none? */
    RECORD_OF,    /* the cast of a composite type to record */
};
const struct func *record_func(enum record_func which);
/* The scalar (value, text) -> the value, after the checks that the text has: see domain.c. */
const struct func *domain_func(void);
/* All types that the program itself has, arrays too; *ret_n rows. */
const struct type *const *type_table(size_t *ret_n);
const char *type_label(uint32_t oid, int32_t typmod, struct arena *a); /* "character varying(10)" */
const char *type_interval_fields(int32_t typmod); /* " day to hour", "": all; NULL: none has it */

/* Access methods of indexes, by their oids in pg_am. */
enum {
    AM_BTREE = 403,
    AM_HASH = 405,
    AM_GIST = 783,
    AM_GIN = 2742,
    AM_BRIN = 3580,
    AM_SPGIST = 4000,
};
const char *access_method_name(uint32_t method);
uint32_t access_method_by_name(const char *name); /* 0: there is none */

/* What a key of an index is of: pg_opclass. */
struct opclass {
    uint32_t oid, method;
    const char *name;
    uint32_t family;
    const char *family_name;
    uint32_t type; /* OID_ANYARRAY and its like: all such */
    bool is_default;
};
const struct opclass *opclass_table(size_t *ret_n);
const struct opclass *opclass_default(uint32_t method, uint32_t type); /* NULL: none */
const struct opclass *opclass_by_name(uint32_t method, const char *name);
const struct opclass *opclass_by_oid(uint32_t oid);
bool opclass_takes(const struct opclass *c, uint32_t type);

/* Names of catalog objects for regclass, regtype and their like, which hold an oid. `reg` is the
 * type: OID_REGCLASS, .. Session threads call it; the answers may hang on who asks (search_path).
 */
struct type_names {
    /* what the user wrote ('public."T"'); 42P01, 42704, .. */
    struct error *(*find)(uint32_t reg, const char *s, size_t n, uint32_t *ret_oid);
    /* appends the name, quoted and qualified where it has to be; false: there is none */
    bool (*print)(uint32_t reg, uint32_t oid, struct buf *out);
};
/* Before any session starts; NULL: without a catalog only numbers and regtype's own are known. */
void types_set_names(const struct type_names *names);
/* Fits a value to a column's type and typmod on assignment: varchar(n) too long is 22001 (blanks
 * beyond n are cut), char(n) gets its blanks, int2/int4 range is 22003, float4 is rounded. */
struct error *type_coerce(const struct type *t, int32_t typmod, struct value *v, struct arena *a);
uint64_t value_hash(const struct value *v); /* equal by compare() within a type: equal hash */

/* ---- functions, operators, aggregates ----------------------------------------------------- */

enum func_kind {
    FUNC_SCALAR,
    FUNC_OPERATOR,
    FUNC_AGGREGATE,
    FUNC_WINDOW,
    FUNC_SET,
    FUNC_ORDERED, /* percentile_cont(0.5) WITHIN GROUP (ORDER BY x); also named as others are */
};
enum { FUNC_MAX_ARGS = 8, FUNC_MAX_BOUND = 128 };

/*
 * How a call is made of a row, for those who emit SQL:
 * - an argument whose row type is OID_ANY (concat, quote_literal), or OID_ANYNONARRAY in a row that
 *   is not `typed` (||), is wrapped in
 *   type_output_func() of its actual type first, since a call does not know its arguments' types.
 *   Not so for aggregates and window functions (count): they take the value as it is;
 * - DISTINCT goes directly before $1 of an aggregate (emit or call); FILTER and OVER follow.
 */

/* State of one aggregate over one group; plain bytes, so that millions of them live in arrays. */
struct agg_state {
    uint64_t count;
    union {
        int64_t i;
        double r;
        __int128 wide;
        struct {
            char *p; /* owned, freed by agg->done */
            size_t n;
            size_t first; /* string_agg: bytes of the delimiter before the first value */
        } s;
        double r3[3];
    };
    bool overflow; /* `wide` alone does not hold it any more */
};

struct agg {
    void (*init)(struct agg_state *s);
    struct error *(*step)(struct agg_state *s, const struct value *args, int nargs);
    /* into := into + from, both over the same aggregate; for parallel and partial aggregation */
    struct error *(*merge)(struct agg_state *into, const struct agg_state *from);
    struct error *(*final)(struct agg_state *s, struct arena *a, struct value *ret);
    void (*done)(struct agg_state *s); /* may be NULL */
};

/*
 * A function that returns rows: unnest(), generate_series(). `open` makes the state of one call in
 * the arena; `next` gives one row of n_columns values, which may lie in `row` (reset before each
 * call) or in the state, or *ret_more = false. Columns may be of polymorphic types. One that gives
 * a single column without a name is called as the function, and is of func->result; several make a
 * record. SQLite runs it as  minisql_set('<types_set_key()>', arguments ..)  with columns c1, c2,
 * ..
 */
enum { SET_MAX_COLUMNS = 32 };

struct set_column {
    const char *name;
    uint32_t type;
};

struct set {
    int n_columns;
    const struct set_column *columns; /* NULL: one column, without a name */
    struct error *(*open)(const struct value *args, int n, struct arena *a, void **ret);
    struct error *(*next)(void *state, struct arena *row, struct value *ret, bool *ret_more);
};

struct ordered_rows;

struct func {
    const char *name; /* "lower", "+" */
    enum func_kind kind;
    int nargs;                    /* of args; a unary prefix operator has 1; count(*) has 0 */
    uint32_t args[FUNC_MAX_ARGS]; /* OID_ANY takes anything */
    bool variadic;                /* the last argument type may repeat (concat, ..) */
    uint32_t result;
    bool strict;  /* a NULL argument gives NULL without a call (scalars), is skipped (aggregates) */
    bool system;  /* hangs on the catalog or the session: runs where the statement came in */
    bool session; /* .. on the session alone: worked out before the statement runs */
    bool stable;  /* hangs on the session, which nothing in its types says; see immutable.c */
    bool volatile_; /* now() in a statement is stable; random() is volatile */
    /* Not of a user's: what a row has to pass (guard.c, domain.c). It fails for that row alone, and
     * is never computed before there is one. */
    bool guard;
    /* The call has one more argument, an int8 at its end, which nobody writes: it tells the types
     * of the others to code that serves many: cast_hidden(). */
    bool typed;
    /* Arguments whose row type is OID_ANY arrive as values of this type instead of as text:
     * OID_JSON or OID_JSONB; 0: none. The caller puts a call of json_value_func() around each. */
    uint32_t any_as;
    /* SQLite text with $1 .. $8 for the emitted arguments ("($1 = $2)"), where SQLite means the
     * same, and $C for the collation of the first one's type; NULL: a call of sqlite_name($1, ..).
     */
    const char *emit;
    /* Aggregates: the template with an OVER clause, where it is another than without (SQLite
     * needs an inverse there, and PostgreSQL recomputes floats); NULL: no difference. */
    const char *over_emit;
    const char
        *sqlite_name; /* registered by types_register(); rows may share it; NULL: emit alone */
    struct error *(*call)(const struct value *args, int nargs, struct arena *a, struct value *ret);
    const struct agg *agg; /* aggregates */
    const struct set *set; /* those that return rows */
    /* FUNC_ORDERED: `args` are the direct ones, this many, and then what is sorted. A `variadic`
     * one takes as many direct ones as it is sorted by: a row that is compared with the others. */
    int direct;
    const char *of_none; /* registered: of the direct argument makes what no rows at all give */
    struct error *(*ordered)(const struct ordered_rows *rows, struct arena *a, struct value *ret);
};

/* What functions about the catalog, the session and the server do, see system.c; some serve
 * several names. */
#define SYSTEM_LIST(X)                                                                             \
    X(FORMAT_TYPE)                                                                                 \
    X(INDEXDEF)                                                                                    \
    X(CONSTRAINTDEF)                                                                               \
    X(EXPR)                                                                                        \
    X(VIEWDEF)                                                                                     \
    X(FUNCTION_ARGUMENTS)                                                                          \
    X(FUNCTION_RESULT)                                                                             \
    X(USERBYID)                                                                                    \
    X(TABLE_IS_VISIBLE)                                                                            \
    X(TYPE_IS_VISIBLE)                                                                             \
    X(SHOBJ_DESCRIPTION)                                                                           \
    X(OBJ_DESCRIPTION)                                                                             \
    X(COL_DESCRIPTION)                                                                             \
    X(RELATION_SIZE)                                                                               \
    X(INDEXES_SIZE)                                                                                \
    X(DATABASE_SIZE)                                                                               \
    X(SIZE_PRETTY)                                                                                 \
    X(SIZE_PRETTY_NUMERIC)                                                                         \
    X(TABLESPACE_SIZE)                                                                             \
    X(ENCODING_TO_CHAR)                                                                            \
    X(CHAR_TO_ENCODING)                                                                            \
    X(ENCODING)                                                                                    \
    X(TABLE_IS_OURS)                                                                               \
    X(IS_UPDATABLE)                                                                                \
    X(START_TIME)                                                                                  \
    X(CURRENT_SETTING)                                                                             \
    X(SET_CONFIG)                                                                                  \
    X(SLEEP)                                                                                       \
    X(SERIAL_SEQUENCE)                                                                             \
    X(TO_REGCLASS)                                                                                 \
    X(TO_REGTYPE)                                                                                  \
    X(TO_REGNAMESPACE)                                                                             \
    X(TO_REGROLE)                                                                                  \
    X(TO_REGPROC)                                                                                  \
    X(RELATION_PRIVILEGE)                                                                          \
    X(SCHEMA_PRIVILEGE)                                                                            \
    X(COLUMN_PRIVILEGE)                                                                            \
    X(ANY_PRIVILEGE)                                                                               \
    X(CURRENT_SCHEMAS)                                                                             \
    X(ACLDEFAULT)                                                                                  \
    X(ADVISORY_LOCK)                                                                               \
    X(ADVISORY_LOCK_SHARED)                                                                        \
    X(ADVISORY_XACT)                                                                               \
    X(ADVISORY_XACT_SHARED)                                                                        \
    X(ADVISORY_TRY)                                                                                \
    X(ADVISORY_TRY_SHARED)                                                                         \
    X(ADVISORY_TRY_XACT)                                                                           \
    X(ADVISORY_TRY_XACT_SHARED)                                                                    \
    X(ADVISORY_UNLOCK)                                                                             \
    X(ADVISORY_UNLOCK_SHARED)                                                                      \
    X(ADVISORY_UNLOCK_ALL)                                                                         \
    X(CANCEL_BACKEND)                                                                              \
    X(TERMINATE_BACKEND)                                                                           \
    X(TRANSACTION_NUMBER)                                                                          \
    X(TRANSACTION_NUMBER_IF_ANY)                                                                   \
    X(XID_AGE)                                                                                     \
    X(BLOCKING_PIDS)                                                                               \
    X(EMPTY_ARRAY)                                                                                 \
    X(DESCRIBE_OBJECT)                                                                             \
    X(FILE_NODE)                                                                                   \
    X(MY_TEMP_SCHEMA)                                                                              \
    X(METHOD_PROPERTY)                                                                             \
    X(INDEX_PROPERTY)                                                                              \
    X(INDEX_COLUMN_PROPERTY)                                                                       \
    X(CLIENT_ENCODING)                                                                             \
    X(CURRENT_QUERY)                                                                               \
    X(CLIENT_ADDRESS)                                                                              \
    X(CLIENT_PORT)                                                                                 \
    X(SERVER_ADDRESS)                                                                              \
    X(SERVER_PORT)                                                                                 \
    X(NOT_IN_RECOVERY)                                                                             \
    X(ENCODING_LENGTH)                                                                             \
    X(LIVE_ROWS)                                                                                   \
    X(ZERO)                                                                                        \
    X(ZERO_REAL)                                                                                   \
    X(SIZE_BYTES)                                                                                  \
    X(FUNCTION_DEFINITION)                                                                         \
    X(TO_REGPROCEDURE)                                                                             \
    X(TO_REGOPER)                                                                                  \
    X(TO_REGOPERATOR)                                                                              \
    X(ALWAYS)                                                                                      \
    X(NEVER)                                                                                       \
    X(EMPTY)                                                                                       \
    X(NOTHING)
#define SYSTEM_ID(id) SYSTEM_##id,
enum system_func { SYSTEM_LIST(SYSTEM_ID) SYSTEM_FUNCS };
#undef SYSTEM_ID
typedef struct error *types_system_fn(const struct value *args, int nargs, struct arena *a,
                                      struct value *ret);
/* `all`: SYSTEM_FUNCS functions, which may ask who is running on this thread. Before any session
 * starts. */
void types_set_system(types_system_fn *const *all);

/* PostgreSQL's rules for choosing among overloads (exact, then implicit casts, preferred types,
 * unknown literals). `types` may hold OID_UNKNOWN. Errors: 42883 with PostgreSQL's text and hint,
 * 42725 when ambiguous. A struct func lives forever. */
struct error *func_resolve(const char *name, enum func_kind kind, const uint32_t *types, int n,
                           const struct func **ret);
bool func_exists(const char *name, enum func_kind kind); /* by name alone, any arguments */
/* The i'th list of names that a function's arguments have: "jsonb_in,path,silent=false"; NULL: no
 * more. */
const char *func_arguments(const char *function, int i);
/* RANGE BETWEEN x PRECEDING AND ..: x's type, by that of the key; 0: there is none. */
uint32_t types_range_offset(uint32_t key);
/* Does the frame matter to an aggregate or window function? See frame.c. */
bool types_frame_matters(const struct func *f);
uint32_t func_any_as(const char *name); /* any_as of the rows of this name; 0: none */
/* The scalar (value, int8) -> json or jsonb of a value of any type; the second is json_value_arg().
 */
const struct func *json_value_func(uint32_t json_type);
int64_t json_value_arg(uint32_t type, int32_t typmod);
/* Appends the characters as a string of JSON. */
void types_json_quote(const char *s, size_t n, struct buf *out);

/* Does a row see argument i of a call (of n_args, with a hidden one) as text? See above. */
static inline bool func_takes_text(const struct func *f, int i, int n_args, uint32_t type)
{
    uint32_t declared = f->nargs ? f->args[i < f->nargs ? i : f->nargs - 1] : OID_ANY;
    if (f->typed && i == n_args - 1)
        return false;
    return (f->kind == FUNC_SCALAR || f->kind == FUNC_OPERATOR) &&
           (declared == OID_ANY || (declared == OID_ANYNONARRAY && !f->typed));
}

/* What the polymorphic types (anyelement, anyarray, anycompatible, ..) of a row mean in a call with
 * these argument types: the n types to which its arguments are to be coerced (OID_ANY stays), the
 * result's type, and the hidden argument, should the row be `typed`: the type that anyelement
 * stands for. 42804 when nothing tells it. */
struct binding {
    uint32_t args[FUNC_MAX_BOUND];
    uint32_t result;
    uint32_t columns[SET_MAX_COLUMNS]; /* of a set with several */
    int64_t hidden;
};
struct error *func_bind(const struct func *f, const uint32_t *types, int n, struct binding *ret);
bool func_exists(const char *name, enum func_kind kind);   /* by name alone, any arguments */
bool func_gives_record(const char *name);                  /* a set of several columns */
void types_set_key(const struct func *f, struct buf *out); /* "unnest(2277)" */
/* All rows, for documentation and catalogs; *ret_n rows. */
const struct func *func_table(size_t *ret_n);

/* ---- casts -------------------------------------------------------------------------------- */

enum cast_context { CAST_IMPLICIT, CAST_ASSIGNMENT, CAST_EXPLICIT };

struct cast {
    uint32_t from, to;
    enum cast_context context; /* the weakest in which it applies */
    const struct func *func;   /* NULL: same representation */
};

/* The scalar (value[, int8]) -> text that gives the text form of a type as its output function
 * does: 't' for true. NULL: the values are text already. When *ret_more is
 * set, it takes a second argument: type_output_arg(). */
const struct func *type_output_func(uint32_t type, bool *ret_more);
int64_t type_output_arg(uint32_t type, int32_t typmod);

/* NULL when there is none in this context. From OID_UNKNOWN nothing is listed: a literal is parsed
 * with type->parse. A typmod is applied after the cast with the function type_coerce stands for,
 * see cast_typmod_func(). */
const struct cast *cast_find(uint32_t from, uint32_t to, enum cast_context context);
int64_t cast_hidden(const struct cast *c); /* the last argument, where its func is `typed` */
/* The scalar (value, int4 typmod) -> value that enforces a typmod of this type (varchar, bpchar);
 * where it is `typed`, the hidden argument is the type:
 * `strict_length` true for assignment (22001), false for an explicit cast (cuts silently). NULL:
 * the type has none. */
const struct func *cast_typmod_func(uint32_t type, bool strict_length);

/* ---- violations ------------------------------------------------------------------------------ */

/* Of this thread: from now on a NULL for a primary key of integers is let through and counted,
 * instead of 23502; NULL: no more. For finding the row. */
void types_count_missing(int *count);

/* Of this thread: who is told, until NULL is given, of what may break a foreign key that triggers
 * see to: `args` are those of minisql_watched(), see sql/foreign_key.c. */
struct types_key_watch {
    void *ctx;
    void (*told)(void *ctx, const struct value *args, int n);
    bool rests; /* they are not to see to it: minisql_watching() */
};
void types_watch_keys(const struct types_key_watch *w);

/* ---- notifications ------------------------------------------------------------------------ */

/* Where pg_notify() of this thread goes; NULL: 0A000. */
struct types_notifier {
    void *ctx;
    struct error *(*notify)(void *ctx, const char *channel, const char *payload);
};
void types_set_notifier(const struct types_notifier *n);
/* ---- what functions ask of the server ------------------------------------------------------- */

/* Of whoever runs the statement: exec/. */
enum sequence_call {
    SEQUENCE_NEXT,    /* nextval(sequence) */
    SEQUENCE_CURRENT, /* currval(sequence) */
    SEQUENCE_LAST,    /* lastval() */
    SEQUENCE_SET,     /* setval(sequence, int8[, bool]) */
};
struct types_host {
    void *ctx;
    struct error *(*sequence)(void *ctx, enum sequence_call what, const struct value *args,
                              int nargs, struct arena *a, struct value *ret);
};
/* Set on a thread while it runs a statement; NULL: none. Returns the one before. */
const struct types_host *types_host_set(const struct types_host *h);

/* ---- chance -------------------------------------------------------------------------------- */

/* Where random() of a session is; all 0: wherever the kernel says. */
struct random {
    uint64_t s[2];
};
void types_random_use(
    struct random *r); /* the calling thread's from now on; NULL: one of its own */

/* ---- time zones, DateStyle and other forms -------------------------------------------------- */

enum date_style { DATES_ISO, DATES_SQL, DATES_POSTGRES, DATES_GERMAN };
enum date_order { ORDER_MDY, ORDER_DMY, ORDER_YMD };
enum interval_style {
    INTERVALS_POSTGRES,
    INTERVALS_VERBOSE,
    INTERVALS_SQL,
    INTERVALS_ISO,
};

/* How a session reads and prints dates, times and intervals, and prints floats and bytea; all 0: as
 * a new session does. */
struct style {
    const struct zone *zone;
    uint8_t dates, order, intervals;
    bool escape;         /* bytea_output */
    uint8_t less_digits; /* 1 - extra_float_digits, where that is not above 0; else 0: exactly */
    int64_t now;         /* what 'now' is in a text, as a timestamptz; 0: the clock */
};
/* The calling thread's from now on (borrowed; NULL: as in a new session); gives the one before.
 * Functions, input and output go by it. */
const struct style *style_use(const struct style *s);
int64_t style_now(void); /* the calling thread's style.now */
/* What SET DateStyle means: words with commas; what is not said stays. 22023's detail, in the
 * arena, or NULL. */
const char *style_set_dates(struct style *s, const char *text, struct arena *a);
void style_print_dates(const struct style *s, struct buf *out); /* "ISO, MDY" */
bool style_set_intervals(struct style *s, const char *text);
void style_set_float_digits(struct style *s, int extra);
/* The clock as a timestamptz: microseconds since 2000. */
int64_t types_now(void);

/* A word for what is not as in a new session but the zone, "" for nothing, and back. */
const char *style_word(const struct style *s, struct arena *a);
void style_read_word(struct style *s, const char *word);

/* ---- encodings (encoding.c) ----------------------------------------------------------------- */

struct encoding; /* immutable, never freed */
/* By any spelling that PostgreSQL knows, or by its number. NULL: there is none. */
const struct encoding *encoding_find(const char *name, size_t n);
const struct encoding *encoding_by_number(int64_t number);
int encoding_number(const struct encoding *e);
const char *encoding_name(const struct encoding *e);
bool encoding_is_utf8(const struct encoding *e);
bool encoding_is_known(const struct encoding *e); /* text can be converted */
/* Text of a known one, appended to `out`. 22021: it is none of that encoding; 22P05: a character
 * that the other has not; `lossy` puts a question mark there. *ret_rest: so many bytes at the end
 * are half a character, to be given again with what follows; NULL: that is 22021. */
struct error *encoding_to_utf8(const struct encoding *e, const char *p, size_t n, size_t *ret_rest,
                               struct buf *out) MUST_CHECK;
struct error *encoding_from_utf8(const struct encoding *e, const char *p, size_t n, bool lossy,
                                 struct buf *out) MUST_CHECK;

struct zone; /* immutable, never freed; NULL is UTC */
/* What AT TIME ZONE means by a name: an abbreviation, a region of the system's time zone database,
 * a POSIX string. NULL: there is no such zone. */
const struct zone *zone_find(const char *s, size_t n);
/* What SET TIME ZONE means: a number is hours to the east. */
const struct zone *zone_for_setting(const char *text);
const char *zone_name(const struct zone *z);
/* What its clocks show at a moment. */
struct zone_time {
    int32_t seconds; /* east of Greenwich */
    bool dst;
    const char *abbreviation;
};
struct zone_time zone_time(const struct zone *z, int64_t utc);
/* All zones of the system's database; each is gone when `visit` comes back. */
struct error *zone_each(struct error *(*visit)(void *ctx, const struct zone *z), void *ctx);
/* The i-th abbreviation, in small letters; false: there are no more. */
bool zone_word(size_t i, struct zone_time *ret);

/* ---- SQLite ------------------------------------------------------------------------------- */

/* minisql_rows((SELECT minisql_pack(a, b) FROM ..)) in FROM is that SELECT, columns c1, c2, .., as
 * often as something to its left changes: LATERAL. Columns at most: */
enum { TYPES_MAX_PACKED = 100 };
/* Appends one row to what minisql_rows() reads. 54000 when it becomes too large. */
struct error *types_pack_row(struct buf *out, const struct value *values, int n) MUST_CHECK;

/* Registers every function and aggregate on a connection. Call once, right after opening. */
struct error *types_register(sqlite3 *db);
/* At the start of a server, before anybody uses SQLite: what SQLite would count and keep for
 * nobody, some of it under a lock of the whole process. */
void types_sqlite_begin(void);
/* The error of the last failed call on `db`: what a registered function raised comes back whole;
 * constraint failures become 23505, 23502, 23503, 23514 with PostgreSQL's texts; disk full 53100,
 * I/O 58030, corruption XX001, interrupt 57014. Never NULL. */
struct error *types_sqlite_error(sqlite3 *db, int rc) MUST_CHECK;
/* sqlite3_prepare_v3() for what users write, kept from mistakes of SQLite's optimizer. */
int types_sqlite_prepare(sqlite3 *db, const char *sql, size_t len, unsigned flags,
                         sqlite3_stmt **ret);
/* One column of the current row, without a copy; valid until the statement moves. */
struct value value_from_column(sqlite3_stmt *stmt, int column);
int value_bind(sqlite3_stmt *stmt, int index, const struct value *v); /* SQLITE_STATIC; an rc */
