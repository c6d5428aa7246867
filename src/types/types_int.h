/* What the files of types/ share: text and float helpers, numeric, the row tables. */
#pragma once

#include "types/types.h"

typedef struct sqlite3_context sqlite3_context;

/* A table of rows that a file contributes; func.c walks them all. */
struct func_rows {
    const struct func *rows;
    size_t n;
};
extern const struct func_rows types__crypto_funcs, types__inet_funcs, types__bit_string_funcs,
    types__macaddr_funcs, types__range_funcs, types__normalize_funcs, types__money_funcs,
    types__timetz_funcs;
extern const struct func_rows types__format_number_funcs, types__scan_number_funcs,
    types__scan_time_funcs, types__datetime_more_funcs, types__spread_funcs;
extern const struct func_rows types__sequence_funcs;
extern const struct func_rows types__system_funcs, types__system_set_funcs, types__int_funcs,
    types__float_funcs, types__math_funcs, types__numeric_funcs, types__text_funcs,
    types__edit_funcs, types__like_funcs, types__compare_funcs, types__agg_funcs,
    types__numeric_aggs, types__window_funcs, types__datetime_funcs, types__zone_funcs,
    types__format_time_funcs, types__guard_funcs, types__cast_funcs, types__bytea_funcs,
    types__uuid_funcs, types__notify_funcs, types__interval_funcs, types__field_funcs,
    types__regex_funcs;
extern const struct func_rows types__format_funcs, types__stat_aggs, types__degree_funcs,
    types__bit_funcs;
extern const struct func_rows types__json_populate_funcs;
extern const struct func_rows types__json_row_funcs, types__json_path_funcs, types__regex_sets;
extern const struct func_rows types__json_funcs, types__json_get_funcs, types__json_edit_funcs,
    types__json_make_funcs, types__array_funcs, types__enum_funcs, types__set_funcs,
    types__domain_funcs, types__record_funcs, types__record_hidden_funcs, types__array_aggs,
    types__ordered_aggs;

/* The types that the program has, but for those of arrays, which are made of them. */
struct type_rows {
    const struct type *rows;
    size_t n;
};
extern const struct type_rows types__rows;

/* Rows are written with these, so that a line is a function. */
#define SCALAR1(n, a, r, sql, fn)                                                                  \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .nargs = 1, .args = {a}, .result = r, .strict = true,      \
        .sqlite_name = sql, .call = fn                                                             \
    }
#define SCALAR2(n, a, b, r, sql, fn)                                                               \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .nargs = 2, .args = {a, b}, .result = r, .strict = true,   \
        .sqlite_name = sql, .call = fn                                                             \
    }
#define SCALAR3(n, a, b, c, r, sql, fn)                                                            \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .nargs = 3, .args = {a, b, c}, .result = r,                \
        .strict = true, .sqlite_name = sql, .call = fn                                             \
    }
#define PREFIX(n, a, r, sql, fn)                                                                   \
    {                                                                                              \
        .name = n, .kind = FUNC_OPERATOR, .nargs = 1, .args = {a}, .result = r, .strict = true,    \
        .sqlite_name = sql, .call = fn                                                             \
    }
#define BINARY(n, a, b, r, sql, fn)                                                                \
    {                                                                                              \
        .name = n, .kind = FUNC_OPERATOR, .nargs = 2, .args = {a, b}, .result = r, .strict = true, \
        .sqlite_name = sql, .call = fn                                                             \
    }
/* The same, run by SQLite itself: `e` is the template. */
#define PREFIX_EMIT(n, a, r, e, fn)                                                                \
    {                                                                                              \
        .name = n, .kind = FUNC_OPERATOR, .nargs = 1, .args = {a}, .result = r, .strict = true,    \
        .emit = e, .call = fn                                                                      \
    }
#define BINARY_EMIT(n, a, b, r, e, fn)                                                             \
    {                                                                                              \
        .name = n, .kind = FUNC_OPERATOR, .nargs = 2, .args = {a, b}, .result = r, .strict = true, \
        .emit = e, .call = fn                                                                      \
    }
#define SCALAR1_EMIT(n, a, r, e, fn)                                                               \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .nargs = 1, .args = {a}, .result = r, .strict = true,      \
        .emit = e, .call = fn                                                                      \
    }
#define SCALAR2_EMIT(n, a, b, r, e, fn)                                                            \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .nargs = 2, .args = {a, b}, .result = r, .strict = true,   \
        .emit = e, .call = fn                                                                      \
    }
#define SCALAR3_EMIT(n, a, b, c, r, e, fn)                                                         \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .nargs = 3, .args = {a, b, c}, .result = r,                \
        .strict = true, .emit = e, .call = fn                                                      \
    }

/* The shape of every scalar. */
#define CALL(name)                                                                                 \
    struct error *name(const struct value *v, int n, struct arena *a, struct value *ret)

/* The calls of =, <>, <, <=, > and >=: type_eq, type_ne, .. by the sign of `order`, an expression
 * of the arguments v. */
#define DEFINE_COMPARISON(type, name, order, test)                                                 \
    static CALL(type##_##name)                                                                     \
    {                                                                                              \
        *ret = value_int((order)test 0);                                                           \
        return NULL;                                                                               \
    }
#define DEFINE_COMPARISONS(type, order)                                                            \
    DEFINE_COMPARISON(type, eq, order, ==)                                                         \
    DEFINE_COMPARISON(type, ne, order, !=)                                                         \
    DEFINE_COMPARISON(type, lt, order, <)                                                          \
    DEFINE_COMPARISON(type, le, order, <=)                                                         \
    DEFINE_COMPARISON(type, gt, order, >)                                                          \
    DEFINE_COMPARISON(type, ge, order, >=)

/* ---- values ------------------------------------------------------------------------------- */

static inline struct value value_int(int64_t i)
{
    return (struct value){.kind = VALUE_INT, .i = i};
}

static inline struct value value_real(double r)
{
    return (struct value){.kind = VALUE_REAL, .r = r};
}

static inline struct value value_text(const char *p, size_t n)
{
    return (struct value){.kind = VALUE_TEXT, .s = {p, n}};
}

/* Copies a buffer's bytes into the arena as text. */
struct value types__text_of(struct arena *a, const struct buf *b);

/* ---- ints and bool (int_io.c) -------------------------------------------------------------- */

struct error *types__int_parse(const char *s, size_t n, int size, int64_t *ret);
struct error *types__int_range(int64_t i, int size, int64_t *ret); /* "integer out of range" */
void types__int_print(int64_t i, struct buf *out);

/* ---- regclass, regtype and their like (reg.c) ----------------------------------------------- */

struct error *types__reg_parse(const struct type *self, const char *s, size_t n, int32_t typmod,
                               struct arena *a, struct value *ret);
void types__reg_print(const struct type *self, const struct value *v, int32_t typmod,
                      struct buf *out);

/* ---- arrays (array_io.c) --------------------------------------------------------------------- */

enum { ARRAY_MAX_DIMS = 6, ARRAY_MAX_ITEMS = 134217727 };
#define E_ARRAY_SUBSCRIPT "2202E"

/* An array taken apart. n_dims 0: empty. */
struct array {
    int n_dims;
    int32_t dims[ARRAY_MAX_DIMS], lower[ARRAY_MAX_DIMS];
    size_t n; /* the product of dims */
    struct value *items;
};

/* Gives `t`, whose oid, element and names are set, everything else that an array type has. */
void types__array_type(struct type *t, const struct type *element);
/* What SQLite holds <-> an array. XX001 when it is none; values lie in the arena. */
struct error *types__array_read(const struct type *element, const struct value *v, struct arena *a,
                                struct array *ret);
struct value types__array_write(const struct type *element, const struct array *array,
                                struct arena *a);
/* An item as it is stored, with quotes where it needs them. */
void types__array_store(const struct value *v, struct buf *out);
/* An item of an array's text form, with quotes where array_out() puts them. */
void types__array_quote(const char *s, size_t n, struct buf *out);
int types__array_compare(const struct type *element, const struct array *x, const struct array *y);
struct error *types__array_parse(const struct type *self, const char *s, size_t n, int32_t typmod,
                                 struct arena *a, struct value *ret);
void types__array_print(const struct type *self, const struct value *v, int32_t typmod,
                        struct buf *out);
struct error *types__array_recv(const struct type *self, const char *s, size_t n, int32_t typmod,
                                struct arena *a, struct value *ret);
void types__array_send(const struct type *self, const struct value *v, int32_t typmod,
                       struct buf *out);
/* Fits the items to a typmod: varchar(3)[] */
struct error *types__array_fit(const struct type *t, int32_t typmod, bool strict, struct value *v,
                               struct arena *a);
/* A text's pieces, as string_to_array() makes them. `null`, if any, is the piece that is NULL. */
struct error *types__split(const struct value *text, const struct value *delimiter,
                           const struct value *null, struct arena *a, struct value **ret,
                           size_t *ret_n);
int types__array_order(const struct type *self, const struct value *x, const struct value *y);
struct error *types__vector_parse(const struct type *self, const char *s, size_t n, int32_t typmod,
                                  struct arena *a, struct value *ret);
void types__vector_print(const struct type *self, const struct value *v, int32_t typmod,
                         struct buf *out);

/* ---- json, jsonb (json_io.c) ----------------------------------------------------------------- */

struct error *types__json_parse(const struct type *self, const char *s, size_t n, int32_t typmod,
                                struct arena *a, struct value *ret);
struct error *types__jsonb_parse(const struct type *self, const char *s, size_t n, int32_t typmod,
                                 struct arena *a, struct value *ret);
struct error *types__jsonb_recv(const struct type *self, const char *s, size_t n, int32_t typmod,
                                struct arena *a, struct value *ret);
void types__jsonb_send(const struct type *self, const struct value *v, int32_t typmod,
                       struct buf *out);
int types__jsonb_compare(const struct type *self, const struct value *x, const struct value *y);
struct error *types__jsonpath_parse(const struct type *self, const char *s, size_t n,
                                    int32_t typmod, struct arena *a, struct value *ret);
struct error *types__jsonpath_recv(const struct type *self, const char *s, size_t n, int32_t typmod,
                                   struct arena *a, struct value *ret);
CALL(types__json_to_jsonb);
CALL(types__text_to_json);
CALL(types__jsonb_to_bool);
CALL(types__jsonb_to_number);

/* ---- functions that return rows (set.c, sqlite_set.c) ---------------------------------------- */

int types__register_set(sqlite3 *db); /* a SQLite code */
/* What the catalog calls an object: type_names.print. False: it does not know. */
bool types__print_name(uint32_t reg, uint32_t oid, struct buf *out);
/* The error as text, for types_sqlite_error() to take apart. */
char *types__error_text(const struct error *e) MUST_CHECK;
/* A value from outside has the representation of a type, or is NULL; an int becomes a float. */
struct error *types__check_kind(uint32_t type, struct value *v);
void types__give(sqlite3_context *c, const struct value *v);
/* For a set whose rows are all made by `open`: its state, and a `next` for one column. */
struct set_list {
    struct value *items;
    size_t n, at;
};
struct error *types__set_list_next(void *state, struct arena *row, struct value *ret,
                                   bool *ret_more);

/* ---- floats (float_io.c) ------------------------------------------------------------------- */

struct error *types__float_parse(const char *s, size_t n, bool is_float4, double *ret);
void types__float8_print(double r, struct buf *out); /* the shortest text that reads back */
/* By extra_float_digits */
void types__float8_show(double r, struct buf *out);
void types__float4_show(float r, struct buf *out);
/* By value; NaN is equal to itself, and above all others. */
int types__real_compare(double x, double y);
/* What an arithmetic result must pass: 22003 where it became infinite from finite inputs */
struct error *types__float_overflow(void);
struct error *types__float_underflow(void);

/* ---- text (text_io.c) ---------------------------------------------------------------------- */

enum { NAME_MAX_BYTES = 63, TEXT_MAX_BYTES = 256 * 1024 * 1024 };

struct error *types__utf8_check(const char *s, size_t n); /* 22021; refuses 0 bytes too */
/* One character of text that was checked: its bytes (1 to 4, never more than n). */
size_t types__utf8_decode(const char *s, size_t n, uint32_t *ret);
void types__utf8_encode(uint32_t c, struct buf *out);
size_t types__utf8_length(const char *s, size_t n); /* characters */
/* Bytes that the first `chars` characters take (all, when there are fewer). */
size_t types__utf8_prefix(const char *s, size_t n, size_t chars);
size_t types__rtrim_blanks(const char *s, size_t n); /* the length without trailing blanks */
/* Fits text to varchar(n) or char(n); `strict` refuses what is too long (22001). */
struct error *types__varchar_fit(struct value *v, int32_t typmod, bool strict);
struct error *types__bpchar_fit(struct value *v, int32_t typmod, bool strict, struct arena *a);
int types__bpchar_compare(const struct value *x, const struct value *y); /* without blanks */

/* ---- numeric (numeric.c) ------------------------------------------------------------------- */

struct error *types__numeric_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                   struct value *ret);
struct error *types__numeric_recv(const char *s, size_t n, int32_t typmod, struct arena *a,
                                  struct value *ret);
void types__numeric_send(const struct value *v, struct buf *out);
int types__numeric_compare(const struct value *x, const struct value *y);
struct error *types__numeric_fit(struct value *v, int32_t typmod, struct arena *a);
/* sum / count with PostgreSQL's scale rule, for avg over ints */
struct error *types__numeric_avg(__int128 sum, uint64_t count, struct arena *a, struct value *ret);
bool types__numeric_finite(const struct value *v);
void types__numeric_of_wide(__int128 i, struct arena *a, struct value *ret);
struct error *types__numeric_to_int(const struct value *v, int size, int64_t *ret);
/* A text form of numeric, as value_hash() must see it: trailing zeros of the fraction left out. */
size_t types__numeric_canonical(const char *s, size_t n);

/* ---- date and time (datetime_io.c, datetime.c) ---------------------------------------------- */

#define E_BAD_DATETIME "22007"
#define E_DATETIME_RANGE "22008"
#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)
#define TIMESTAMP_NEVER INT64_MIN /* -infinity */
#define TIMESTAMP_EVER INT64_MAX
enum { DATE_NEVER = INT32_MIN, DATE_EVER = INT32_MAX };

struct error *types__date_parse(const char *s, size_t n, int64_t *ret);
struct error *types__timestamp_parse(const char *s, size_t n, bool zone, int32_t typmod,
                                     int64_t *ret);
void types__date_print(int32_t days, struct buf *out);
void types__timestamp_print(int64_t us, bool zone, struct buf *out);
void types__date_print_iso(int32_t days, struct buf *out);
void types__timestamp_print_iso(int64_t us, bool zone, struct buf *out);
bool types__date_valid(int64_t days); /* infinities are */
bool types__timestamp_valid(int64_t us);
int64_t types__timestamp_days(int64_t us); /* the day it lies in; not of infinities */
bool types__datetime_reads_clock(const char *s, size_t n);
bool types__time_reads_clock(const char *s, size_t n, bool offset);
/* Rounds to `typmod` digits (0-6, -1: all) behind the point; 22008 where that leaves the range. */
struct error *types__timestamp_fit(int64_t us, int32_t typmod, int64_t *ret);
CALL(types__date_to_timestamp);
CALL(types__date_as_timestamp); /* for comparing: later than all timestamps instead of an error */
CALL(types__timestamp_to_date);
CALL(types__timestamp_to_time);
/* By the time zone of the calling thread (zone_func.c) */
CALL(types__timestamptz_to_timestamp);
CALL(types__timestamp_to_timestamptz);
CALL(types__timestamp_as_timestamptz);
CALL(types__date_as_timestamptz);
CALL(types__date_to_timestamptz);
CALL(types__timestamptz_to_date);
CALL(types__timestamptz_to_time);
/* An abbreviation such as CET: seconds east of Greenwich; *ret_zone, unless NULL: it has meant more
 * than one offset, and this zone knows when. */
bool types__zone_word(const char *s, size_t n, int32_t *ret_seconds, const struct zone **ret_zone);
CALL(types__interval_to_time);
CALL(types__time_to_interval);
/* "+02:30": seconds east of Greenwich. False: it is none; *ret_fits: not beyond what there is. */
bool types__offset_parse(const char *text, bool *ret_fits, int32_t *ret_seconds);
int types__char_byte(const struct value *v); /* of "char": 0 to 255, and back */
struct value types__char_of(int byte, struct arena *a);
struct error *types__time_parse(const char *s, size_t n, int32_t typmod, int64_t *ret);
void types__time_print(int64_t us, struct buf *out);
void types__offset_print(int32_t east_s, struct buf *out); /* +01, -03:30 */
/* timetz (timetz.c): offsets are seconds east */
int64_t types__timetz_pack(int64_t us, int32_t east);
int64_t types__timetz_unpack(int64_t packed, int32_t *ret_east);
struct error *types__timetz_fit(int64_t packed, int32_t typmod, int64_t *ret);
struct error *types__timetz_parse(const char *s, size_t n, int32_t typmod, int64_t *ret);
struct error *types__timetz_recv(int64_t us, int32_t west, int32_t typmod, int64_t *ret);
void types__timetz_print(int64_t packed, struct buf *out);
CALL(types__timetz_to_time);
CALL(types__time_to_timetz); /* by the thread's zone, as it is now */
CALL(types__timestamptz_to_timetz);
struct error *types__zone_of(const struct value *name, const struct zone **ret);
struct error *types__interval_offset(const struct value *v, int64_t *ret_us);
struct error *types__interval_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                    struct value *ret);
void types__interval_show(const struct value *v, struct buf *out); /* by IntervalStyle */
struct error *types__interval_recv(const char *s, size_t n, int32_t typmod, struct arena *a,
                                   struct value *ret);
void types__interval_send(const struct value *v, int32_t typmod, struct buf *out);
/* sqlite.c, for functions that are registered elsewhere; a registration is their user data. */
struct registration;
const struct func *types__sqlite_func(const struct registration *r);
/* False: NULL for a strict function, or *ret_error is set. */
bool types__sqlite_args(const struct registration *r, int n, sqlite3_value **argv,
                        struct value *args, struct error **ret_error);
void types__sqlite_error(sqlite3_context *c, struct error *e); /* consumed */
void types__sqlite_final(sqlite3_context *c, const struct agg *agg, struct agg_state *s);
int types__register_sorted(sqlite3 *db, const char *name, void *registration);
int types__register_rows(sqlite3 *db); /* a SQLite code */
int types__register_frame(sqlite3 *db);
int types__interval_compare(const struct value *x, const struct value *y);
struct error *types__interval_fit(struct value *v, int32_t typmod, struct arena *a);

/* Optimizations of SQLite (sqliteInt.h) that a connection does without: whoever says so by
 * sqlite3_test_control() says all of them, for it forgets what was said before. */
enum { OMIT_NOOP_JOIN = 0x100, BLOOM_FILTER = 0x80000 };

/* ---- inet, cidr ---------------------------------------------------------------------------- */

struct error *types__inet_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                struct value *ret);
struct error *types__cidr_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                struct value *ret);
void types__inet_print(const struct value *v, int32_t typmod, struct buf *out);
struct error *types__inet_recv(const char *s, size_t n, int32_t typmod, struct arena *a,
                               struct value *ret);
struct error *types__cidr_recv(const char *s, size_t n, int32_t typmod, struct arena *a,
                               struct value *ret);
void types__inet_send(const struct value *v, int32_t typmod, struct buf *out);
void types__cidr_send(const struct value *v, int32_t typmod, struct buf *out);
int types__inet_compare(const struct value *v, const struct value *w);
CALL(types__inet_network);
CALL(types__text_concat2);

/* ---- bit strings, macaddr ---------------------------------------------------------------------
 */

struct error *types__bit_parse(const struct type *self, const char *s, size_t n, int32_t typmod,
                               struct arena *a, struct value *ret);
struct error *types__bit_recv(const struct type *self, const char *s, size_t n, int32_t typmod,
                              struct arena *a, struct value *ret);
void types__bit_send(const struct type *self, const struct value *v, int32_t typmod,
                     struct buf *out);
/* Fits to a typmod; `strict` refuses another length (22026) or what is too long (22001). */
struct error *types__bit_fit(struct value *v, int32_t typmod, bool strict, struct arena *a);
struct error *types__varbit_fit(struct value *v, int32_t typmod, bool strict, struct arena *a);
CALL(types__int_to_bit);
CALL(types__bit_to_int4);
CALL(types__bit_to_int8);
struct error *types__macaddr_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                   struct value *ret);
struct error *types__macaddr8_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                    struct value *ret);
struct error *types__macaddr_recv(const char *s, size_t n, int32_t typmod, struct arena *a,
                                  struct value *ret);
struct error *types__macaddr8_recv(const char *s, size_t n, int32_t typmod, struct arena *a,
                                   struct value *ret);
void types__macaddr_send(const struct value *v, int32_t typmod, struct buf *out);
CALL(types__macaddr_to_8);
CALL(types__macaddr8_to_6);

/* ---- money --------------------------------------------------------------------------------------
 */

struct error *types__money_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                 struct value *ret);
void types__money_print(const struct value *v, int32_t typmod, struct buf *out);
CALL(types__int_to_money);
CALL(types__numeric_to_money);
CALL(types__money_to_numeric);

/* ---- records (record.c) ------------------------------------------------------------------------
 */

struct record_field {
    const struct type *type;
    int32_t typmod; /* of a composite type's; -1 else */
    const char *name;
    size_t name_length;
    struct value value;
};
struct record {
    size_t n;
    struct record_field *fields;
};
/* Of a composite type, or record; in the arena, text is the value's. */
struct error *types__record_read(const struct type *t, const struct value *v, struct arena *a,
                                 struct record *ret);
struct error *types__record_write(const struct type *t, const struct record *r, struct arena *a,
                                  struct value *ret);
struct error *types__record_parse(const struct type *self, const char *text, size_t n,
                                  int32_t typmod, struct arena *a, struct value *ret);
void types__record_print(const struct type *self, const struct value *v, int32_t typmod,
                         struct buf *out);
struct error *types__record_recv(const struct type *self, const char *p, size_t n, int32_t typmod,
                                 struct arena *a, struct value *ret);
void types__record_send(const struct type *self, const struct value *v, int32_t typmod,
                        struct buf *out);
int types__record_compare(const struct type *self, const struct value *v, const struct value *w);
/* A value inside another one (array_io.c): as text, and back; false: it is none. */
void types__stored_print(const struct value *v, struct buf *out);
bool types__stored_read(enum value_kind storage, const char *p, size_t n, struct arena *a,
                        struct value *ret);
/* With its length; NULL, too */
void types__array_send_item(const struct type *element, const struct value *v, int32_t typmod,
                            struct buf *out);

/* ---- ranges ------------------------------------------------------------------------------------
 */

struct error *types__range_parse(const struct type *self, const char *s, size_t n, int32_t typmod,
                                 struct arena *a, struct value *ret);
void types__range_print(const struct type *self, const struct value *v, int32_t typmod,
                        struct buf *out);
struct error *types__range_recv(const struct type *self, const char *s, size_t n, int32_t typmod,
                                struct arena *a, struct value *ret);
void types__range_send(const struct type *self, const struct value *v, int32_t typmod,
                       struct buf *out);
int types__range_compare(const struct type *self, const struct value *x, const struct value *y);

/* ---- bytea, uuid --------------------------------------------------------------------------- */

struct error *types__bytea_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                 struct value *ret);
void types__bytea_print(const struct value *v, int32_t typmod, struct buf *out); /* in hex */
void types__bytea_show(const struct value *v, int32_t typmod, struct buf *out);  /* bytea_output */
struct error *types__bytea_recv(const char *s, size_t n, int32_t typmod, struct arena *a,
                                struct value *ret);
void types__bytea_send(const struct value *v, int32_t typmod, struct buf *out);
struct error *types__uuid_parse(const char *s, size_t n, int32_t typmod, struct arena *a,
                                struct value *ret);
struct error *types__uuid_recv(const char *s, size_t n, int32_t typmod, struct arena *a,
                               struct value *ret);
void types__uuid_send(const struct value *v, int32_t typmod, struct buf *out);
/* Writes the version and the variant of RFC 4122 into 16 bytes. */
void types__uuid_stamp(unsigned char *bytes, unsigned version);
struct value types__bytes(const void *p, size_t n); /* a bytea, which stays the caller's */
struct error *types__random(void *p, size_t n);
struct evp_md_st; /* OpenSSL's EVP_MD */
/* out: EVP_MAX_MD_SIZE bytes */
struct error *types__digest(const void *p, size_t n, const struct evp_md_st *kind,
                            unsigned char *out, unsigned *ret_len);

/* ---- casts and resolution ------------------------------------------------------------------- */

bool types__is_polymorphic(uint32_t oid);
bool types__can_coerce(uint32_t from, uint32_t to); /* implicitly, or the same */
