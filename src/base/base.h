/*
 * base: errors, memory, byte buffers, hash maps, clocks, logging.
 *
 * Everything here is usable from any thread unless its struct says otherwise. Memory exhaustion
 * ends the process (mem_alloc): limits are enforced where sizes come from outside, not at malloc.
 */
#pragma once

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* ---- errors ------------------------------------------------------------------------------- */

/*
 * The one error type. Functions that can fail return `struct error *`: NULL is success, anything
 * else is owned by the caller, who returns it, reports it or frees it. What a user reads is what
 * the place that failed wrote.
 */
struct error {
    char sqlstate[6]; /* "42P01" */
    int position;     /* cursor into the statement, in characters from 1; 0: none */
    char *message;    /* PostgreSQL's style: lower case, no full stop */
    char *detail;     /* the rest may be NULL */
    char *hint;
    char *schema; /* of the table; NULL: public */
    char *table;
    char *column;
    char *constraint;
    char *datatype;      /* a domain; `schema` is its own then */
    const char *routine; /* PostgreSQL's function, static: where drivers tell errors apart by it */
};

struct error *error_new(const char *sqlstate, const char *format, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
/* These add to an error and return it, so that they chain: return error_hint(error_new(..), ..) */
struct error *error_detail(struct error *e, const char *format, ...) PRINTF_LIKE(2, 3);
struct error *error_hint(struct error *e, const char *format, ...) PRINTF_LIKE(2, 3);
struct error *error_at(struct error *e, int position);
/* message becomes "<context>: <message>" */
struct error *error_context(struct error *e, const char *format, ...) PRINTF_LIKE(2, 3);
struct error *error_errno(const char *sqlstate, int err, const char *format, ...)
    PRINTF_LIKE(3, 4) MUST_CHECK;
struct error *error_copy(const struct error *e) MUST_CHECK;
bool error_is(const struct error *e, const char *sqlstate); /* false for NULL */
void error_free(struct error *e);

#define TRY(expr)                                                                                  \
    do {                                                                                           \
        struct error *try_error_ = (expr);                                                         \
        if (try_error_)                                                                            \
            return try_error_;                                                                     \
    } while (0)

/* SQLSTATEs. PostgreSQL's own (Appendix A of its manual), and class MS for what travels between
 * servers only and never reaches a client. */
#define E_PROTOCOL "08P01"
#define E_CONNECTION "08006"
#define E_UNSUPPORTED "0A000"
#define E_DIVISION_BY_ZERO "22012"
#define E_OUT_OF_RANGE "22003"
#define E_BAD_TEXT "22P02"
#define E_BAD_BINARY "22P03"
#define E_STRING_TOO_LONG "22001"
#define E_NOT_NULL "23502"
#define E_FOREIGN_KEY "23503"
#define E_UNIQUE "23505"
#define E_CHECK "23514"
#define E_TXN_FAILED "25P02"
#define E_SERIALIZATION "40001"
#define E_DEADLOCK "40P01"
#define E_SYNTAX "42601"
#define E_UNDEFINED_TABLE "42P01"
#define E_UNDEFINED_COLUMN "42703"
#define E_UNDEFINED_FUNCTION "42883"
#define E_UNDEFINED_OBJECT "42704"
#define E_DUPLICATE_TABLE "42P07"
#define E_DUPLICATE_COLUMN "42701"
#define E_AMBIGUOUS_COLUMN "42702"
#define E_GROUPING "42803"
#define E_TYPE_MISMATCH "42804"
#define E_NO_DATABASE "3D000"
#define E_DISK_FULL "53100"
#define E_OUT_OF_MEMORY "53200"
#define E_TOO_MANY_CONNECTIONS "53300"
#define E_LOCK_NOT_AVAILABLE "55P03"
#define E_CANCELED "57014"
#define E_SHUTDOWN "57P01"
#define E_UNAVAILABLE "57P03" /* try again later: store unreachable, no primary yet */
#define E_IO "58030"
#define E_INTERNAL "XX000"
#define E_DAMAGED "XX001"
#define E_NOT_PRIMARY "MS001"  /* detail: name of the primary, if known */
#define E_STALE_SCHEMA "MS002" /* plan again with a fresher catalog */

/* ---- memory ------------------------------------------------------------------------------- */

void *mem_alloc(size_t size) MUST_CHECK; /* never NULL */
void *mem_zalloc(size_t size) MUST_CHECK;
void *mem_realloc(void *p, size_t size) MUST_CHECK;
char *mem_strdup(const char *s) MUST_CHECK;
char *mem_strndup(const char *s, size_t n) MUST_CHECK;
char *mem_printf(const char *format, ...) PRINTF_LIKE(1, 2) MUST_CHECK;
void mem_free(void *p); /* free(NULL) is fine */

#define NEW(type) ((type *)mem_zalloc(sizeof(type)))

/* Locals that clean up after themselves: _cleanup_(buf_done) struct buf b = {0}; */
#define _cleanup_(f) __attribute__((cleanup(f)))
void mem_freep(void *pp);
void error_freep(struct error **e);
void fd_closep(int *fd);

/* An arena: allocations with one lifetime. Not thread-safe; one owner. */
struct arena {
    struct arena_block *blocks;
    char *next, *end;
    size_t used;  /* bytes handed out since the last reset */
    size_t block; /* how much is taken from the heap at once; 0: 8 KiB */
};
void *arena_alloc(struct arena *a, size_t size) MUST_CHECK; /* zeroed, aligned to 16 */
char *arena_strdup(struct arena *a, const char *s) MUST_CHECK;
char *arena_strndup(struct arena *a, const char *s, size_t n) MUST_CHECK;
char *arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
void arena_reset(struct arena *a); /* keeps one block for reuse */
void arena_done(struct arena *a);
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (size_t)(n)))

/* ---- bytes -------------------------------------------------------------------------------- */

/* A growing byte buffer; {0} is empty and valid. `data` is always followed by a 0 byte once
 * anything was appended. Integers go out in network order. */
struct buf {
    char *data;
    size_t len, cap;
};
void buf_reserve(struct buf *b, size_t more);
void buf_append(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s); /* without its 0 */
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *format, va_list ap) PRINTF_LIKE(2, 0);
void buf_put8(struct buf *b, uint8_t v);
void buf_put16(struct buf *b, uint16_t v);
void buf_put32(struct buf *b, uint32_t v);
void buf_put64(struct buf *b, uint64_t v);
void buf_clear(struct buf *b); /* keeps the memory */
void buf_done(struct buf *b);

/* Reads bytes that may be garbage. A read past the end gives zeros and sets `failed`, so that a
 * decoder checks once, at its end: return reader_ok(&r) ? .. */
struct reader {
    const char *p, *end;
    bool failed;
};
struct reader reader_of(const void *data, size_t len);
uint8_t read8(struct reader *r);
uint16_t read16(struct reader *r);
uint32_t read32(struct reader *r);
uint64_t read64(struct reader *r);
const char *read_bytes(struct reader *r, size_t len); /* NULL when too short */
const char *read_cstring(struct reader *r);           /* up to its 0; NULL when there is none */
size_t reader_left(const struct reader *r);
bool reader_ok(const struct reader *r); /* nothing failed */

uint32_t crc32c(uint32_t seed, const void *data, size_t len); /* Castagnoli, seed 0 to start */
uint64_t hash_bytes(const void *data, size_t len);            /* not for untrusted files */

/* ---- maps --------------------------------------------------------------------------------- */

/* A hash map from byte strings (copied) or integers to pointers; {0} is empty. Not thread-safe. */
struct map {
    struct map_slot *slots;
    size_t len, cap;
};
void *map_get(const struct map *m, const void *key, size_t len);
void *map_put(struct map *m, const void *key, size_t len, void *value); /* returns the old one */
void *map_remove(struct map *m, const void *key, size_t len);
void *map_get_str(const struct map *m, const char *key);
void *map_put_str(struct map *m, const char *key, void *value);
void *map_remove_str(struct map *m, const char *key);
void *map_get_u64(const struct map *m, uint64_t key);
void *map_put_u64(struct map *m, uint64_t key, void *value);
void *map_remove_u64(struct map *m, uint64_t key);
/* for (size_t i = 0; map_next(&m, &i, &value);) .. ; don't change the map meanwhile */
bool map_next(const struct map *m, size_t *cursor, void **ret_value);
bool map_next_key(const struct map *m, size_t *cursor, const char **ret_key, size_t *ret_len,
                  void **ret_value);
void map_done(struct map *m);

/* ---- time and chance ---------------------------------------------------------------------- */

uint64_t clock_ms(void);      /* monotonic */
uint64_t clock_us(void);      /* monotonic */
uint64_t clock_wall_ms(void); /* since 1970 */
uint64_t random_u64(void);    /* from the kernel; for ids and jitter */
void sleep_ms(unsigned ms);

/* A seeded stream, for simulations and tests (xoshiro256**). */
struct rng {
    uint64_t s[4];
};
void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* 0 .. n-1; n > 0 */

/* ---- log ---------------------------------------------------------------------------------- */

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
extern enum log_level log_threshold; /* set once at start; LOG_INFO */

/* One line on stderr: time, level, text. The text names its objects: "conn=12 region=7: .." */
void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);
#define log_debug(...)                                                                             \
    do {                                                                                           \
        if (log_threshold <= LOG_DEBUG)                                                            \
            log_line(LOG_DEBUG, __VA_ARGS__);                                                      \
    } while (0)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
/* Logs an error value (message, detail, hint, SQLSTATE) after the given context. */
void log_failure(enum log_level level, const struct error *e, const char *format, ...)
    PRINTF_LIKE(3, 4);
