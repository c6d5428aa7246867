/* The one error type: built where something fails, carried up unchanged, shown to the user. */
#include "base/base.h"

#include <stdio.h>

static char *vprint(const char *format, va_list ap)
{
    char *s = NULL;
    if (vasprintf(&s, format, ap) < 0)
        abort();
    return s;
}

#define FORMAT_INTO(target)                                                                        \
    do {                                                                                           \
        va_list ap_;                                                                               \
        va_start(ap_, format);                                                                     \
        char *text_ = vprint(format, ap_);                                                         \
        va_end(ap_);                                                                               \
        mem_free(target);                                                                          \
        target = text_;                                                                            \
    } while (0)

struct error *error_new(const char *sqlstate, const char *format, ...)
{
    struct error *e = NEW(struct error);
    memcpy(e->sqlstate, sqlstate, MIN(strlen(sqlstate), 5));
    FORMAT_INTO(e->message);
    return e;
}

struct error *error_detail(struct error *e, const char *format, ...)
{
    if (e)
        FORMAT_INTO(e->detail);
    return e;
}

struct error *error_hint(struct error *e, const char *format, ...)
{
    if (e)
        FORMAT_INTO(e->hint);
    return e;
}

struct error *error_at(struct error *e, int position)
{
    if (e)
        e->position = position;
    return e;
}

struct error *error_context(struct error *e, const char *format, ...)
{
    if (!e)
        return NULL;
    char *context = NULL;
    FORMAT_INTO(context);
    char *joined = mem_printf("%s: %s", context, e->message);
    mem_free(context);
    mem_free(e->message);
    e->message = joined;
    return e;
}

struct error *error_errno(const char *sqlstate, int err, const char *format, ...)
{
    char *what = NULL;
    FORMAT_INTO(what);
    char text[128];
    struct error *e = error_new(sqlstate, "%s: %s", what, strerror_r(err, text, sizeof(text)));
    mem_free(what);
    return e;
}

static char *copy(const char *s)
{
    return s ? mem_strdup(s) : NULL;
}

struct error *error_copy(const struct error *e)
{
    if (!e)
        return NULL;
    struct error *c = NEW(struct error);
    *c = (struct error){.position = e->position,
                        .message = copy(e->message),
                        .detail = copy(e->detail),
                        .hint = copy(e->hint),
                        .schema = copy(e->schema),
                        .table = copy(e->table),
                        .column = copy(e->column),
                        .constraint = copy(e->constraint),
                        .datatype = copy(e->datatype),
                        .routine = e->routine};
    memcpy(c->sqlstate, e->sqlstate, sizeof(c->sqlstate));
    return c;
}

bool error_is(const struct error *e, const char *sqlstate)
{
    return e && strcmp(e->sqlstate, sqlstate) == 0;
}

void error_free(struct error *e)
{
    if (!e)
        return;
    mem_free(e->message);
    mem_free(e->detail);
    mem_free(e->hint);
    mem_free(e->schema);
    mem_free(e->table);
    mem_free(e->column);
    mem_free(e->constraint);
    mem_free(e->datatype);
    mem_free(e);
}

void error_freep(struct error **e)
{
    error_free(*e);
}
