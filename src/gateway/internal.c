/*
 * Sessions of other servers (startup option minisql.internal): statements for exec_internal(),
 * simple or prepared with one bytea parameter; replication links; snapshots.
 *
 *   LINK <kind>         CopyBothResponse, then each CopyData is a message for region/, until
 * CopyDone or the end of the connection
 *   SNAPSHOT <region>   CopyBothResponse, then what region/snapshot.c says
 *   NOTIFY              notifications for the clients of this server (notify.c)
 */
#include "gateway/gateway_int.h"

#include <stdio.h>

enum { SILENCE_MS = 10 * 1000 }; /* of who receives a snapshot: a read transaction waits here */

/* ---- exec_internal's wire ------------------------------------------------------------------ */

struct wire {
    struct session *s;
    bool copying; /* CopyOutResponse was sent */
};

static struct error *lost(void)
{
    return error_new(E_CONNECTION, "connection to the other server lost");
}

static struct error *wire_copy_out(void *ctx)
{
    struct wire *w = ctx;
    pgwire_put_copy_answer(&w->s->out, PGWIRE_COPY_OUT, 1, 0);
    w->copying = true;
    return NULL;
}

static struct error *wire_data(void *ctx, const void *data, size_t len)
{
    struct wire *w = ctx;
    pgwire_put_copy_data(&w->s->out, data, len);
    return w->s->out.len < FLUSH_BYTES || io__flush(w->s) ? NULL : lost();
}

static struct error *wire_copy_in(void *ctx)
{
    struct wire *w = ctx;
    pgwire_put_copy_answer(&w->s->out, PGWIRE_COPY_IN, 1, 0);
    return io__flush(w->s) ? NULL : lost();
}

static struct error *wire_receive(void *ctx, const char **ret, size_t *ret_len, bool *ret_end)
{
    struct wire *w = ctx;
    for (;;) {
        struct pgwire_frame f;
        TRY(io__next(w->s, &f));
        *ret_end = f.type == 'c';
        *ret = f.body;
        *ret_len = f.len;
        if (f.type == 'c' || f.type == 'd')
            return NULL;
        if (f.type == 'f')
            return error_new(E_CANCELED, "the other server broke off");
        if (f.type != 'S' && f.type != 'H')
            return error_new(E_PROTOCOL, "unexpected message type 0x%02X during COPY",
                             (unsigned char)f.type);
    }
}

static struct error *run(struct session *s, const char *text, const char *args, size_t args_len)
{
    struct wire w = {.s = s};
    struct exec_wire wire = {.ctx = &w,
                             .copy_out = wire_copy_out,
                             .data = wire_data,
                             .copy_in = wire_copy_in,
                             .receive = wire_receive};
    char tag[64] = "OK";
    atomic_store(&s->cancel, false);
    TRY(exec_internal(s->exec, text, strlen(text), args, args_len, &wire, tag));
    if (w.copying)
        pgwire_put_plain(&s->out, PGWIRE_COPY_DONE);
    pgwire_put_complete(&s->out, tag);
    return NULL;
}

/* ---- links and snapshots ------------------------------------------------------------------- */

static struct error *no_regions(void)
{
    return error_new(E_UNSUPPORTED, "this server does not have the region role");
}

/* Everything that has arrived goes in before the link may sync and answer. */
static struct error *pump(struct session *s, struct region_link *link)
{
    for (;;) {
        size_t ahead = 0;
        struct pgwire_frame f;
        if (s->in_pos == s->in.len || !io__peek(s, &ahead, &f))
            region_link_idle(link);
        TRY(io__next(s, &f));
        if (f.type == 'c')
            return NULL;
        if (f.type == 'd')
            region_link_receive(link, f.body, f.len);
        else if (f.type == 'X' || f.type == 'f')
            return lost();
        else if (f.type != 'S' && f.type != 'H')
            return error_new(E_PROTOCOL, "unexpected message type 0x%02X on a link",
                             (unsigned char)f.type);
    }
}

static struct error *run_link(struct session *s)
{
    struct region_link *link;
    if (!s->gateway->o.regions)
        return no_regions();
    TRY(region_link_open(s->gateway->o.regions, s->peer, &link));
    pgwire_put_copy_answer(&s->out, PGWIRE_COPY_BOTH, 1, 0);
    struct error *e = io__flush(s) ? pump(s, link) : lost();
    region_link_close(link);
    if (e) { /* nobody reads what would be said now */
        log_debug("conn=%u: link from %s ended: %s", s->pid, s->peer, e->message);
        error_free(e);
        s->closing = true;
        return NULL;
    }
    pgwire_put_plain(&s->out, PGWIRE_COPY_DONE);
    pgwire_put_complete(&s->out, "LINK");
    return NULL;
}

static struct error *snapshot_message(void *ctx, const void *data, size_t len)
{
    struct wire *w = ctx;
    pgwire_put_copy_data(&w->s->out, data, len);
    return io__flush(w->s) ? NULL : lost();
}

static struct error *run_snapshot(struct session *s, const char *region)
{
    char *end;
    unsigned long long id = strtoull(region, &end, 10);
    if (*end || end == region)
        return error_new(E_PROTOCOL, "malformed SNAPSHOT request");
    if (!s->gateway->o.regions)
        return no_regions();
    struct wire w = {.s = s};
    struct region_snapshot_wire wire = {
        .ctx = &w, .emit = snapshot_message, .receive = wire_receive};
    io__bound_silence(s, SILENCE_MS);
    pgwire_put_copy_answer(&s->out, PGWIRE_COPY_BOTH, 1, 0);
    if (!io__flush(s))
        return lost();
    TRY(region_send_snapshot(s->gateway->o.regions, id, &wire));
    pgwire_put_plain(&s->out, PGWIRE_COPY_DONE);
    pgwire_put_complete(&s->out, "SNAPSHOT");
    return NULL;
}

/* ---- simple queries ------------------------------------------------------------------------ */

void internal__query(struct session *s, const char *text)
{
    /* its own copy: a COPY reads on into the input buffer */
    const char *own = arena_strdup(&s->worker->arena, text);
    struct error *e;
    if (!strncmp(own, "LINK ", 5))
        e = run_link(s);
    else if (!strncmp(own, "SNAPSHOT ", 9))
        e = run_snapshot(s, own + 9);
    else if (!strncmp(own, "NOTIFY\n", 7)) {
        e = notify__from_peer(s->gateway, own + 7);
        if (!e)
            pgwire_put_complete(&s->out, "NOTIFY");
    } else
        e = run(s, own, NULL, 0);
    if (e)
        session__report(s, e, NULL);
    session__ready(s);
}

/* ---- prepared statements ------------------------------------------------------------------- */

static struct error *parse(struct session *s, const struct pgwire_frame *f)
{
    struct pgwire_parse m;
    TRY(pgwire_decode_parse(f, &s->worker->arena, &m));
    s->internal_bound = NULL; /* it may be the text that is replaced */
    mem_free(map_put_str(&s->internal_texts, m.statement, mem_strdup(m.query)));
    pgwire_put_plain(&s->out, PGWIRE_PARSE_COMPLETE);
    return NULL;
}

static struct error *bind(struct session *s, const struct pgwire_frame *f)
{
    struct pgwire_bind m;
    TRY(pgwire_decode_bind(f, &s->worker->arena, &m));
    const char *text = map_get_str(&s->internal_texts, m.statement);
    if (!text)
        return error_new("26000", "prepared statement \"%s\" does not exist", m.statement);
    if (m.n_params > 1 || (m.n_params && (!m.params[0].data || m.params[0].format != 1)))
        return error_new(E_PROTOCOL, "an internal statement takes one binary parameter");
    buf_clear(&s->internal_args);
    if (m.n_params)
        buf_append(&s->internal_args, m.params[0].data, m.params[0].len);
    s->internal_bound = text;
    s->internal_has_args = m.n_params == 1;
    pgwire_put_plain(&s->out, PGWIRE_BIND_COMPLETE);
    return NULL;
}

static struct error *describe(struct session *s, const struct pgwire_frame *f)
{
    struct pgwire_target m;
    TRY(pgwire_decode_target(f, &m));
    if (m.kind == 'S')
        pgwire_put_param_types(&s->out, (const uint32_t[]){OID_BYTEA}, 1);
    pgwire_put_plain(&s->out, PGWIRE_NO_DATA);
    return NULL;
}

static struct error *execute(struct session *s)
{
    const char *text = s->internal_bound;
    if (!text)
        return error_new("34000", "nothing is bound");
    s->internal_bound = NULL;
    const char *args = s->internal_args.data ? s->internal_args.data : "";
    return run(s, text, s->internal_has_args ? args : NULL, s->internal_args.len);
}

static struct error *close_statement(struct session *s, const struct pgwire_frame *f)
{
    struct pgwire_target m;
    TRY(pgwire_decode_target(f, &m));
    s->internal_bound = NULL;
    if (m.kind == 'S')
        mem_free(map_remove_str(&s->internal_texts, m.name));
    pgwire_put_plain(&s->out, PGWIRE_CLOSE_COMPLETE);
    return NULL;
}

void internal__message(struct session *s, const struct pgwire_frame *f)
{
    struct error *e = NULL;
    if (f->type == 'S') {
        s->skip_to_sync = false;
        session__ready(s);
        return;
    }
    if (f->type == 'H') {
        s->flush = true;
        return;
    }
    if (s->skip_to_sync)
        return;
    switch (f->type) {
    case 'P':
        e = parse(s, f);
        break;
    case 'B':
        e = bind(s, f);
        break;
    case 'D':
        e = describe(s, f);
        break;
    case 'E':
        e = execute(s);
        break;
    case 'C':
        e = close_statement(s, f);
        break;
    }
    if (e) {
        session__report(s, e, NULL);
        s->skip_to_sync = true;
    }
}
