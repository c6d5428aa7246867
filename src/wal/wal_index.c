/*
 * The index: for each region, where its entries lie. Twelve bytes an entry in an array that is cut
 * at the front (recycling) and at the back (replacement); epochs in runs, because they rarely
 * change.
 *
 * It also counts, for each segment, the entries that somebody still needs. An entry is needed until
 * it is released (the region's file holds it durably) or replaced (and the replacement is on disk).
 */
#include "wal_int.h"

struct wal_region *wal__find_region(struct wal *w, uint64_t id)
{
    return map_get_u64(&w->regions, id);
}

struct wal_region *wal__region(struct wal *w, uint64_t id)
{
    struct wal_region *g = wal__find_region(w, id);
    if (!g) {
        g = NEW(struct wal_region);
        g->id = id;
        g->first = 1;
        map_put_u64(&w->regions, id, g);
    }
    return g;
}

void wal__region_free(struct wal_region *g)
{
    mem_free(g->refs);
    mem_free(g->runs);
    mem_free(g);
}

static size_t count(const struct wal_region *g)
{
    return (size_t)(g->last + 1 - g->first);
}

static void make_room(struct wal_region *g)
{
    if (g->start + count(g) < g->cap)
        return;
    if (g->start > g->cap / 2) {
        memmove(g->refs, g->refs + g->start, count(g) * sizeof(*g->refs));
    } else {
        size_t cap = g->cap ? g->cap * 2 : 16;
        struct wal_ref *refs = mem_alloc(cap * sizeof(*refs));
        if (count(g))
            memcpy(refs, g->refs + g->start, count(g) * sizeof(*refs));
        mem_free(g->refs);
        g->refs = refs;
        g->cap = cap;
    }
    g->start = 0;
}

static void add_epoch(struct wal_region *g, uint64_t lsn, uint64_t epoch)
{
    if (g->n_runs && g->runs[g->n_runs - 1].epoch == epoch)
        return;
    if (g->n_runs == g->cap_runs) {
        g->cap_runs = g->cap_runs ? g->cap_runs * 2 : 2;
        g->runs = mem_realloc(g->runs, g->cap_runs * sizeof(*g->runs));
    }
    g->runs[g->n_runs++] = (struct wal_epoch_run){.lsn = lsn, .epoch = epoch};
}

void wal__index_add(struct wal *w, struct wal_region *g, uint64_t lsn, uint64_t epoch,
                    struct wal_ref ref)
{
    if (!count(g)) {
        g->first = lsn;
        g->last = lsn - 1;
        g->n_runs = 0;
        g->start = 0;
    }
    assert(lsn == g->last + 1);
    make_room(g);
    g->refs[g->start + count(g)] = ref;
    g->last = lsn;
    g->last_epoch = epoch;
    add_epoch(g, lsn, epoch);
    if (lsn > g->released)
        wal__find_segment(w, ref.segment)->live++;
}

void wal__index_truncate(struct wal *w, struct wal_region *g, uint64_t lsn)
{
    bool gone = !count(g) && g->last > lsn;
    while (count(g) && g->last > lsn) {
        struct wal_segment *s = wal__find_segment(w, g->refs[g->start + count(g) - 1].segment);
        if (g->last > g->released) {
            s->live--;
            s->until = w->appended + 1; /* the record that replaces it has yet to be synced */
        }
        g->last--;
        gone = !count(g);
    }
    g->released = MIN(g->released, lsn);
    while (g->n_runs && g->runs[g->n_runs - 1].lsn > g->last)
        g->n_runs--;
    if (gone) {
        g->last = lsn;
        g->first = lsn + 1;
        g->last_epoch = 0;
    } else if (count(g)) {
        g->last_epoch = g->runs[g->n_runs - 1].epoch;
    }
}

void wal__index_release(struct wal *w, struct wal_region *g, uint64_t lsn)
{
    if (lsn <= g->released)
        return;
    uint64_t from = MAX(g->first, g->released + 1), to = MIN(g->last, lsn);
    for (uint64_t l = from; count(g) && l <= to; l++)
        wal__find_segment(w, g->refs[g->start + (size_t)(l - g->first)].segment)->live--;
    g->released = lsn;
}

void wal__index_forget_segment(struct wal_region *g, uint32_t segment)
{
    while (count(g) && g->refs[g->start].segment <= segment) {
        g->start++;
        g->first++;
    }
    size_t gone = 0; /* the run that covers `first` stays */
    while (gone + 1 < g->n_runs && g->runs[gone + 1].lsn <= g->first)
        gone++;
    if (gone) {
        memmove(g->runs, g->runs + gone, (g->n_runs - gone) * sizeof(*g->runs));
        g->n_runs -= gone;
    }
}

const struct wal_ref *wal__index_ref(const struct wal_region *g, uint64_t lsn)
{
    if (!g || lsn < g->first || lsn > g->last)
        return NULL;
    return &g->refs[g->start + (size_t)(lsn - g->first)];
}

uint64_t wal__index_epoch(const struct wal_region *g, uint64_t lsn)
{
    if (!wal__index_ref(g, lsn))
        return 0;
    size_t low = 0, high = g->n_runs;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (g->runs[middle].lsn <= lsn)
            low = middle;
        else
            high = middle;
    }
    return g->runs[low].epoch;
}
