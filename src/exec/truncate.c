/*
 * TRUNCATE of tables in several regions: those of each region by a statement of their own, in one
 * transaction. Tables that refer to each other share a region, so that none depends on another.
 */
#include "exec/exec_int.h"

static uint64_t next_region(const struct query *q, uint64_t before)
{
    uint64_t next = 0;
    for (int i = 0; i < q->truncate.n_tables; i++) {
        uint64_t region = q->truncate.tables[i]->region;
        if (region > before && (!next || region < next))
            next = region;
    }
    return next;
}

static struct error *truncate_in(struct run *r, uint64_t region)
{
    const struct query *q = r->plan->query;
    _cleanup_(buf_done) struct buf text = {0};
    uint64_t database = 0;
    for (int i = 0; i < q->truncate.n_tables; i++) {
        const struct table *t = q->truncate.tables[i];
        if (t->region != region)
            continue;
        database = t->database;
        buf_puts(&text, text.len ? ", " : "TRUNCATE ");
        sql_quote(t->schema, &text);
        buf_puts(&text, ".");
        sql_quote(t->name, &text);
    }
    return exec_draft_text(r->s, database, q->names, text.data);
}

/* In the order of their ids, so that two of these don't wait for each other. */
static struct error *truncate_all(struct run *r)
{
    const struct query *q = r->plan->query;
    for (uint64_t region = 0; (region = next_region(q, region));)
        TRY(truncate_in(r, region));
    return NULL;
}

struct error *exec__run_truncate(struct run *r)
{
    struct exec_session *s = r->s;
    if (s->in_transaction)
        return truncate_all(r);
    TRY(exec_begin(s));
    struct error *e = truncate_all(r);
    if (e)
        exec_rollback(s);
    else
        e = exec_commit(s);
    if (!error_is(e, E_SERIALIZATION))
        return e;
    /* Our own transaction was lost, and surely did not commit: that can be tried again. */
    struct error *again = error_new(E_NOT_PRIMARY, "%s", e->message);
    error_free(e);
    return again;
}
