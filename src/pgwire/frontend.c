/*
 * What a client sends: framing and decoding.
 *
 * A length is checked against the limit of its message type before a byte of the body is waited
 * for, so a client can make the server hold no more than it really sends. Names and texts point
 * into the message; only arrays go to the arena, sized by counts that were checked against the
 * bytes at hand.
 */
#include "pgwire/pgwire.h"

enum { CODE_CANCEL = 80877102, CODE_SSL = 80877103, CODE_GSSENC = 80877104 };

static const struct limit {
    char type;
    uint32_t max;
} limits[] = {
    {'Q', PGWIRE_MAX_MESSAGE}, {'P', PGWIRE_MAX_MESSAGE},  {'B', PGWIRE_MAX_MESSAGE},
    {'d', PGWIRE_MAX_MESSAGE}, {'F', PGWIRE_MAX_MESSAGE},  {'E', PGWIRE_MAX_SMALL},
    {'D', PGWIRE_MAX_SMALL},   {'C', PGWIRE_MAX_SMALL},    {'H', PGWIRE_MAX_SMALL},
    {'S', PGWIRE_MAX_SMALL},   {'X', PGWIRE_MAX_SMALL},    {'c', PGWIRE_MAX_SMALL},
    {'f', PGWIRE_MAX_SMALL},   {'p', PGWIRE_MAX_PASSWORD},
};

static uint32_t limit_of(char type)
{
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        if (limits[i].type == type)
            return limits[i].max;
    return 0;
}

static struct error *start_frame(const char *data, size_t len, struct pgwire_frame *ret,
                                 size_t *ret_need)
{
    if (len < 4) {
        *ret_need = 4;
        return NULL;
    }
    struct reader r = reader_of(data, len);
    uint32_t size = read32(&r);
    if (size < 8 || size > PGWIRE_MAX_STARTUP)
        return error_new(E_PROTOCOL, "invalid length of startup packet");
    if (len < size) {
        *ret_need = size;
        return NULL;
    }
    *ret = (struct pgwire_frame){.body = data + 4, .len = size - 4, .total = size};
    *ret_need = 0;
    return NULL;
}

struct error *pgwire_next_frame(enum pgwire_phase phase, const char *data, size_t len,
                                struct pgwire_frame *ret, size_t *ret_need)
{
    if (phase == PGWIRE_STARTING)
        return start_frame(data, len, ret, ret_need);
    if (len == 0) {
        *ret_need = 5;
        return NULL;
    }
    uint32_t max = limit_of(data[0]);
    if (!max)
        return error_new(E_PROTOCOL, "invalid frontend message type %d", (unsigned char)data[0]);
    if (len < 5) {
        *ret_need = 5;
        return NULL;
    }
    struct reader r = reader_of(data + 1, 4);
    uint32_t size = read32(&r);
    if (size < 4 || size > max)
        return error_new(E_PROTOCOL, "invalid message length");
    if (len < (size_t)size + 1) {
        *ret_need = (size_t)size + 1;
        return NULL;
    }
    *ret = (struct pgwire_frame){
        .type = data[0], .body = data + 5, .len = size - 4, .total = (size_t)size + 1};
    *ret_need = 0;
    return NULL;
}

/* ---- bodies ------------------------------------------------------------------------------- */

static struct error *malformed(const char *what)
{
    return error_new(E_PROTOCOL, "invalid %s message", what);
}

static struct reader body_of(const struct pgwire_frame *f)
{
    return reader_of(f->body, f->len);
}

/* Read to its end, and no further. */
static bool ended(const struct reader *r)
{
    return reader_ok(r) && reader_left(r) == 0;
}

static struct error *decode_session(struct reader *r, struct pgwire_start *ret)
{
    for (;;) {
        const char *name = read_cstring(r);
        if (!name)
            return error_new(E_PROTOCOL,
                             "invalid startup packet layout: expected terminator as last byte");
        if (!*name)
            break;
        const char *value = read_cstring(r);
        if (!value)
            return error_new(E_PROTOCOL,
                             "invalid startup packet layout: expected terminator as last byte");
        if (ret->n == PGWIRE_MAX_STARTUP_OPTIONS)
            return error_new(E_PROTOCOL, "too many options in startup packet");
        ret->names[ret->n] = name;
        ret->values[ret->n++] = value;
    }
    if (reader_left(r))
        return error_new(E_PROTOCOL,
                         "invalid startup packet layout: expected terminator as last byte");
    return NULL;
}

struct error *pgwire_decode_start(const struct pgwire_frame *f, struct pgwire_start *ret)
{
    struct reader r = body_of(f);
    uint32_t code = read32(&r);
    ret->kind = PGWIRE_START_SESSION;
    ret->n = 0;
    ret->minor = 0;
    ret->cancel_pid = ret->cancel_secret = 0;
    if (code == CODE_SSL || code == CODE_GSSENC) {
        ret->kind = code == CODE_SSL ? PGWIRE_START_SSL : PGWIRE_START_GSSENC;
        return NULL; /* as PostgreSQL, whatever follows */
    }
    if (code == CODE_CANCEL) {
        ret->kind = PGWIRE_START_CANCEL;
        ret->cancel_pid = read32(&r);
        ret->cancel_secret = read32(&r);
        return ended(&r) ? NULL : error_new(E_PROTOCOL, "invalid length of startup packet");
    }
    if (code >> 16 != 3)
        return error_hint(error_new(E_UNSUPPORTED,
                                    "unsupported frontend protocol %u.%u: server supports 3.0 to "
                                    "3.0",
                                    code >> 16, code & 0xffff),
                          "MiniSQL speaks PostgreSQL's protocol, version 3: connect with a "
                          "PostgreSQL client or driver.");
    ret->minor = (uint16_t)(code & 0xffff);
    return decode_session(&r, ret);
}

struct error *pgwire_decode_query(const struct pgwire_frame *f, const char **ret)
{
    struct reader r = body_of(f);
    const char *text = read_cstring(&r);
    if (!ended(&r))
        return malformed("Query");
    *ret = text;
    return NULL;
}

struct error *pgwire_decode_parse(const struct pgwire_frame *f, struct arena *a,
                                  struct pgwire_parse *ret)
{
    struct reader r = body_of(f);
    const char *statement = read_cstring(&r);
    const char *query = read_cstring(&r);
    uint16_t n = read16(&r);
    if (!reader_ok(&r) || reader_left(&r) != (size_t)n * 4)
        return malformed("Parse");
    uint32_t *types = ARENA_ARRAY(a, uint32_t, n);
    for (int i = 0; i < n; i++)
        types[i] = read32(&r);
    *ret =
        (struct pgwire_parse){.statement = statement, .query = query, .n_types = n, .types = types};
    return NULL;
}

/* A list of format codes: none, one for all, or one for each. */
static int16_t *read_formats(struct reader *r, struct arena *a, int *ret_n)
{
    uint16_t n = read16(r);
    if (reader_left(r) < (size_t)n * 2) {
        r->failed = true;
        return NULL;
    }
    int16_t *formats = ARENA_ARRAY(a, int16_t, n);
    for (int i = 0; i < n; i++) {
        formats[i] = (int16_t)read16(r);
        if (formats[i] != 0 && formats[i] != 1)
            r->failed = true;
    }
    *ret_n = n;
    return formats;
}

static bool read_params(struct reader *r, struct arena *a, const int16_t *formats, int n_formats,
                        struct pgwire_bind *ret)
{
    uint16_t n = read16(r);
    if (!reader_ok(r) || reader_left(r) < (size_t)n * 4)
        return false;
    if (n_formats > 1 && n_formats != n)
        return false;
    ret->n_params = n;
    ret->params = ARENA_ARRAY(a, struct pgwire_param, n);
    for (int i = 0; i < n; i++) {
        struct pgwire_param *p = &ret->params[i];
        p->format = n_formats == 0 ? 0 : formats[n_formats == 1 ? 0 : i];
        int32_t len = (int32_t)read32(r);
        if (len < -1)
            return false;
        if (len == -1)
            continue;
        p->len = (uint32_t)len;
        p->data = read_bytes(r, p->len);
        if (!p->data)
            return false;
    }
    return reader_ok(r);
}

struct error *pgwire_decode_bind(const struct pgwire_frame *f, struct arena *a,
                                 struct pgwire_bind *ret)
{
    struct reader r = body_of(f);
    struct pgwire_bind b = {.portal = read_cstring(&r), .statement = read_cstring(&r)};
    int n_formats = 0;
    int16_t *formats = reader_ok(&r) ? read_formats(&r, a, &n_formats) : NULL;
    if (!reader_ok(&r) || !read_params(&r, a, formats, n_formats, &b))
        return malformed("Bind");
    b.results = read_formats(&r, a, &b.n_results);
    if (!ended(&r))
        return malformed("Bind");
    *ret = b;
    return NULL;
}

struct error *pgwire_decode_execute(const struct pgwire_frame *f, struct pgwire_execute *ret)
{
    struct reader r = body_of(f);
    const char *portal = read_cstring(&r);
    int32_t max_rows = (int32_t)read32(&r);
    if (!ended(&r))
        return malformed("Execute");
    *ret = (struct pgwire_execute){.portal = portal, .max_rows = max_rows};
    return NULL;
}

struct error *pgwire_decode_target(const struct pgwire_frame *f, struct pgwire_target *ret)
{
    const char *what = f->type == 'D' ? "Describe" : "Close";
    struct reader r = body_of(f);
    char kind = (char)read8(&r);
    const char *name = read_cstring(&r);
    if (!ended(&r))
        return malformed(what);
    if (kind != 'S' && kind != 'P')
        return error_new(E_PROTOCOL, "invalid %s message subtype %d",
                         f->type == 'D' ? "DESCRIBE" : "CLOSE", (unsigned char)kind);
    *ret = (struct pgwire_target){.kind = kind, .name = name};
    return NULL;
}

static struct error *one_string(const struct pgwire_frame *f, const char *what, const char **ret)
{
    struct reader r = body_of(f);
    const char *s = read_cstring(&r);
    if (!ended(&r))
        return malformed(what);
    *ret = s;
    return NULL;
}

struct error *pgwire_decode_copy_fail(const struct pgwire_frame *f, const char **ret_reason)
{
    return one_string(f, "CopyFail", ret_reason);
}

struct error *pgwire_decode_password(const struct pgwire_frame *f, const char **ret)
{
    return one_string(f, "password", ret);
}

struct error *pgwire_decode_empty(const struct pgwire_frame *f)
{
    return f->len == 0 ? NULL : error_new(E_PROTOCOL, "invalid message format");
}
