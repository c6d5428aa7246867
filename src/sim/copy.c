/*
 * What a copy of a region should have on disk. For the log that is a specification, kept beside the
 * real one: what was appended and synced must be found again, whatever the disk went through, and
 * of what was not synced a beginning at most. The region's file takes committed entries at once,
 * and is written back later; only what it then holds may the log forget.
 */
#include "sim/sim_int.h"

/* ---- entries ------------------------------------------------------------------------------ */

uint64_t items__last(const struct items *l)
{
    return l->base + l->n;
}

struct item *items__get(const struct items *l, uint64_t lsn)
{
    return lsn > l->base && lsn <= l->base + l->n ? &l->at[lsn - l->base - 1] : NULL;
}

void items__cut(struct items *l, uint64_t lsn)
{
    if (lsn == 0)
        l->n = 0, l->base = 0;
    else if (lsn < items__last(l))
        l->n = lsn > l->base ? (size_t)(lsn - l->base) : 0;
}

void items__put(struct items *l, const struct item *i)
{
    items__cut(l, i->lsn - 1);
    if (!l->n)
        l->base = i->lsn - 1;
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 16;
        l->at = mem_realloc(l->at, l->cap * sizeof(*l->at));
    }
    l->at[l->n++] = *i;
}

void items__forget(struct items *l, uint64_t lsn)
{
    if (lsn <= l->base)
        return;
    size_t gone = (size_t)(MIN(lsn, items__last(l)) - l->base);
    memmove(l->at, l->at + gone, (l->n - gone) * sizeof(*l->at));
    l->n -= gone;
    l->base += gone;
}

void items__copy(struct items *to, const struct items *from)
{
    to->n = 0;
    to->base = from->base;
    for (size_t i = 0; i < from->n; i++)
        items__put(to, &from->at[i]);
}

void items__free(struct items *l)
{
    mem_free(l->at);
    *l = (struct items){0};
}

void ops__add(struct ops *o, const struct op *op)
{
    if (o->n == o->cap) {
        o->cap = o->cap ? o->cap * 2 : 16;
        o->at = mem_realloc(o->at, o->cap * sizeof(*o->at));
    }
    o->at[o->n++] = *op;
}

static void ops_apply(struct items *log, const struct op *op)
{
    if (op->cut)
        items__cut(log, op->item.lsn);
    else
        items__put(log, &op->item);
}

/* What an entry says, and some bytes more, so that they have different lengths. */
void item__encode(struct sim *s, const struct item *i, struct buf *out)
{
    enum { MOST_BYTES = 30 };
    buf_put64(out, i->value);
    buf_put8(out, (uint8_t)i->kind);
    buf_put32(out, i->client);
    buf_put32(out, i->key);
    buf_put64(out, i->seq);
    for (uint64_t n = sim__chance(s, MOST_BYTES); n; n--)
        buf_put8(out, (uint8_t)n);
}

struct item item__decode(struct sim *s, uint64_t lsn, uint64_t epoch, const char *data,
                         uint32_t len)
{
    struct reader r = reader_of(data, len);
    struct item i = {.lsn = lsn, .epoch = epoch, .value = read64(&r)};
    i.kind = (enum entry_kind)read8(&r);
    i.client = read32(&r);
    i.key = read32(&r);
    i.seq = read64(&r);
    if (!reader_ok(&r) || i.client >= MAX_CLIENTS || i.key >= KEYS)
        sim__fail(s, "an entry of %u bytes at %llu makes no sense", len, (unsigned long long)lsn);
    return i;
}

/* ---- the file ----------------------------------------------------------------------------- */

uint64_t copy__hash(uint64_t before, const struct item *i)
{
    uint64_t parts[] = {before, i->lsn, i->value};
    return hash_bytes(parts, sizeof(parts));
}

void file__apply(struct file *f, const struct item *i)
{
    f->lsn = i->lsn;
    f->epoch = i->epoch;
    f->hash = copy__hash(f->hash, i);
    if (i->kind != ENTRY_WRITE)
        return;
    f->keys[i->key] = (struct version){i->value, i->lsn};
    f->requests[i->client] = (struct applied_request){i->seq, i->value};
}

/* ---- syncs and crashes ---------------------------------------------------------------------- */

void copy__synced(struct copy *c)
{
    for (size_t i = 0; i < c->ops.n; i++)
        ops_apply(&c->log, &c->ops.at[i]);
    c->ops.n = 0;
}

void copy__crash(struct sim *s, struct copy *c, bool power)
{
    if (power) {
        c->file = c->synced;
        c->revived |= c->ghost && !c->exists && sim__likely(s, 500);
        c->exists |= c->revived;
    }
    c->ghost = false;
}

static bool same_log(const struct sim_server *v, unsigned region, const struct items *log,
                     uint64_t from, uint64_t last)
{
    if (items__last(log) != last && !(last == 0 && !log->n))
        return false;
    for (uint64_t lsn = from; lsn <= last; lsn++) {
        const struct item *i = items__get(log, lsn);
        if (!i || wal_epoch(v->wal, region, lsn) != i->epoch)
            return false;
    }
    return true;
}

/* Log and file need not fit where the file was lost, or where the log was cut for a new beginning
 * and the cut did not get to the disk: then the copy counts as damaged, and is made anew. */
static bool may_have_hole(const struct copy *c)
{
    bool begun_anew = false;
    for (size_t i = 0; i < c->ops.n; i++)
        begun_anew |= c->ops.at[i].cut && c->ops.at[i].item.lsn == 0;
    return begun_anew || c->damaged || c->rotten || c->revived || !c->exists;
}

/* The log as it was found after a restart: what was synced, and a beginning of what was not. */
void copy__recovered(struct sim *s, struct sim_server *v, unsigned region)
{
    struct copy *c = &v->copies[region];
    uint64_t first, last, epoch, held = c->synced.lsn, synced = items__last(&c->log);
    wal_range(v->wal, region, &first, &last, &epoch);
    if (first > last)
        first = held + 1, last = 0;
    bool whole = first <= held + 1 || may_have_hole(c);
    for (size_t n = 0;; n++) {
        uint64_t from = MAX(first, MAX(held, c->log.base) + 1);
        bool gone = last <= held && items__last(&c->log) <= held; /* the file has it all */
        if (whole && (gone || same_log(v, region, &c->log, from, last)))
            break;
        if (n == c->ops.n)
            sim__fail(s,
                      "s%u r%u: the log holds %llu..%llu after a restart; synced was up to %llu, "
                      "the file holds %llu",
                      v->id, region, (unsigned long long)first, (unsigned long long)last,
                      (unsigned long long)synced, (unsigned long long)held);
        ops_apply(&c->log, &c->ops.at[n]);
    }
    c->ops.n = 0;
    if (last == 0)
        items__cut(&c->log, 0);
    else if (items__last(&c->log) < last) /* segments that were to be recycled are back */
        c->log.base = last, c->log.n = 0;
}

void copy__lost_log(struct copy *c)
{
    c->log.n = c->ops.n = 0;
    c->log.base = c->file.lsn;
}

void copy__wipe(struct copy *c)
{
    items__free(&c->log);
    mem_free(c->ops.at);
    *c = (struct copy){0};
}
