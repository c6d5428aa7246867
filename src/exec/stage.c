/*
 * Writes in stages: several SQLite statements, one after the other on the writer's connection. What
 * one gives and another reads travels as a packed parameter (types.h).
 *
 * Rows of other regions are read before the region's writer is asked for, by the server that the
 * client talks to; they go to the primary's server along with the parameters.
 */
#include "exec/exec_int.h"

static int base(const struct run *r)
{
    return r->plan->query->n_params + r->plan->query->n_hidden;
}

void exec__stage_params(struct run *r, int n)
{
    const struct plan_staged *st = r->plan->staged;
    if (!st)
        return;
    struct value *params = ARENA_ARRAY(&r->arena, struct value, base(r) + st->n_params);
    if (n)
        memcpy(params, r->params, sizeof(*params) * (size_t)n);
    r->params = r->staged = params;
    r->n_params = base(r) + st->n_params;
    r->packs = mem_zalloc(sizeof(*r->packs) * (size_t)MAX(st->n_params, 1));
}

void exec__stage_done(struct run *r)
{
    for (int i = 0; r->packs && i < r->plan->staged->n_params; i++)
        buf_done(&r->packs[i]);
    mem_free(r->packs);
    r->packs = NULL;
}

int exec__stage_sent(const struct run *r)
{
    const struct plan_staged *st = r->plan->staged;
    return base(r) + (st && st->n_scans ? st->n_scans + 1 : 0);
}

static struct error *pack_row(void *ctx, const struct value *values, int n)
{
    return types_pack_row(ctx, values, n);
}

static struct buf *pack_of(struct run *r, int param)
{
    struct buf *b = &r->packs[param - r->plan->staged->first_param];
    buf_clear(b);
    return b;
}

static void set_param(struct run *r, int param, const struct buf *b)
{
    r->staged[param - 1] =
        (struct value){.kind = VALUE_BLOB, .s = {b->data ? b->data : "", b->len}};
}

struct error *exec__stage_pull(struct run *r)
{
    const struct plan_staged *st = r->plan->staged;
    if (!st || !st->n_scans)
        return NULL;
    r->staged[base(r)] = (struct value){.kind = VALUE_INT, .i = (int64_t)st->signature};
    struct error *e = exec__pin(r, st->scans, st->n_scans);
    for (int i = 0; !e && i < st->n_scans; i++) {
        const struct plan_scan *s = &st->scans[i];
        int param = st->first_param + 1 + i;
        struct buf *b = pack_of(r, param);
        e = s->region ? exec__scan(r, s, pack_row, b) : exec__system_rows(r, s, pack_row, b);
        set_param(r, param, b);
    }
    return exec__unpin(r, e);
}

struct error *exec__stage_check(const struct run *r)
{
    const struct plan_staged *st = r->plan->staged;
    const struct value *v = &r->params[base(r)];
    if (!st || !st->n_scans || (v->kind == VALUE_INT && v->i == (int64_t)st->signature))
        return NULL;
    return error_new(E_STALE_SCHEMA, "the statement was planned on another schema");
}

struct counted {
    exec__row_fn row;
    void *ctx;
    int64_t n;
};

static struct error *count_row(void *ctx, const struct value *values, int n)
{
    struct counted *c = ctx;
    c->n++;
    return c->row ? c->row(c->ctx, values, n) : NULL;
}

static struct error *named(struct run *r, const struct plan_stage *s, struct error *e)
{
    struct query q = {0};
    if (!e || !s->write)
        return e;
    q.kind = s->write->kind;
    q.write = (struct write *)s->write;
    return sql_name_constraint(r->plan->view, &q, e);
}

static struct error *run_stage(struct run *r, struct store_conn *c, const struct plan_stage *s,
                               exec__row_fn row, void *ctx)
{
    return named(r, s, exec__write_stmt(r, c, s->sql, s->sql_len, s->write, row, ctx));
}

bool exec__changes_in_stages(const struct run *r)
{
    int n = 0;
    for (int i = 0; r->plan->staged && i < r->plan->staged->n_stages; i++)
        n += r->plan->staged->stages[i].write != NULL;
    return n > 1;
}

static bool changes_later(const struct plan_staged *st, int i)
{
    while (++i < st->n_stages)
        if (st->stages[i].write)
            return true;
    return false;
}

struct error *exec__run_stages(struct run *r, struct store_conn *c, exec__row_fn row, void *ctx,
                               int64_t *ret_count)
{
    const struct plan_staged *st = r->plan->staged;
    bool given = false; /* rows to the client, who can't get them again */
    *ret_count = 0;
    for (int i = 0; i < st->n_stages; i++) {
        const struct plan_stage *s = &st->stages[i];
        struct counted rows = {0};
        if (s->param)
            rows = (struct counted){.row = pack_row, .ctx = pack_of(r, s->param)};
        else if (s->to_client)
            rows = (struct counted){.row = row, .ctx = ctx};
        struct error *e = run_stage(r, c, s, count_row, &rows);
        if (e) {
            r->keys_early = !given && error_is(e, E_FOREIGN_KEY) && changes_later(st, i);
            return e;
        }
        given |= s->to_client && rows.n;
        if (s->param)
            set_param(r, s->param, rows.ctx);
        if (s->counted)
            *ret_count += s->write ? sqlite3_changes64(store_db(c)) : rows.n;
    }
    return NULL;
}
