/*
 * raw: PostgreSQL's parse nodes, as libpg_query builds them.
 *
 * postgres.h brings its own printf family, its own JOIN_INNER and a few hundred more names. This
 * is the only place that includes it; names that sql.h uses too are renamed on the way (PG_...).
 * Include it first, before any of our headers.
 */
#pragma once

#define JOIN_INNER PG_JOIN_INNER
#define JOIN_LEFT PG_JOIN_LEFT
#define JOIN_RIGHT PG_JOIN_RIGHT
#define JOIN_FULL PG_JOIN_FULL
#define SETOP_UNION PG_SETOP_UNION
#define SETOP_INTERSECT PG_SETOP_INTERSECT
#define SETOP_EXCEPT PG_SETOP_EXCEPT
#define IS_NULL PG_IS_NULL
#define IS_NOT_NULL PG_IS_NOT_NULL
#define IS_TRUE PG_IS_TRUE
#define IS_NOT_TRUE PG_IS_NOT_TRUE
#define IS_FALSE PG_IS_FALSE
#define IS_NOT_FALSE PG_IS_NOT_FALSE
#define IS_UNKNOWN PG_IS_UNKNOWN
#define IS_NOT_UNKNOWN PG_IS_NOT_UNKNOWN
#define RTE_SUBQUERY PG_RTE_SUBQUERY
#define RTE_CTE PG_RTE_CTE

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "nodes/value.h"

#undef JOIN_INNER
#undef JOIN_LEFT
#undef JOIN_RIGHT
#undef JOIN_FULL
#undef SETOP_UNION
#undef SETOP_INTERSECT
#undef SETOP_EXCEPT
#undef IS_NULL
#undef IS_NOT_NULL
#undef IS_TRUE
#undef IS_NOT_TRUE
#undef IS_FALSE
#undef IS_NOT_FALSE
#undef IS_UNKNOWN
#undef IS_NOT_UNKNOWN
#undef RTE_SUBQUERY
#undef RTE_CTE

#undef printf
#undef fprintf
#undef sprintf
#undef snprintf
#undef vprintf
#undef vfprintf
#undef vsprintf
#undef vsnprintf
#undef strerror
#undef strerror_r
#undef Assert
#undef gettext
#undef _
#undef FUNC_MAX_ARGS

#include "pg_query.h"

/* libpg_query's own entry points, which its public header leaves out. */
typedef struct {
    List *tree;
    char *stderr_buffer;
    PgQueryError *error;
} PgQueryInternalParsetreeAndError;

extern PgQueryInternalParsetreeAndError pg_query_raw_parse(const char *input);
extern MemoryContext pg_query_enter_memory_context(void);
extern void pg_query_exit_memory_context(MemoryContext ctx);
extern void pg_query_free_error(PgQueryError *error);

#define FOREACH(type, var, list)                                                                   \
    for (int var##_i_ = 0; var##_i_ < list_length(list); var##_i_++)                               \
        for (type *var = (type *)list_nth(list, var##_i_), *var##_once_ = (type *)1; var##_once_;  \
             var##_once_ = NULL)
