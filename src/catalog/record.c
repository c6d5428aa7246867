/* Records of the store in memory, and the sorted arrays of them: both immutable, shared, counted.
 */
#include "catalog/catalog_int.h"

struct record *catalog__record_new(size_t payload)
{
    struct record *r = mem_zalloc(sizeof(*r) + payload);
    atomic_init(&r->refs, 1);
    return r;
}

struct record *catalog__record_of(const void *payload)
{
    return (struct record *)((char *)(uintptr_t)payload - offsetof(struct record, payload));
}

static void record_ref(const void *payload)
{
    atomic_fetch_add_explicit(&catalog__record_of(payload)->refs, 1, memory_order_relaxed);
}

void catalog__record_unref(struct record *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) > 1)
        return;
    arena_done(&r->arena);
    mem_free(r);
}

struct array *catalog__array_new(size_t n)
{
    struct array *a = mem_zalloc(sizeof(*a) + n * sizeof(a->items[0]));
    atomic_init(&a->refs, 1);
    return a;
}

struct array *catalog__array_ref(struct array *a)
{
    atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
    return a;
}

void catalog__array_unref(struct array *a)
{
    if (!a || atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < a->n; i++)
        catalog__record_unref(catalog__record_of(a->items[i]));
    mem_free(a);
}

size_t catalog__array_find(const struct array *a, const void *key, array_compare *compare,
                           bool *ret_found)
{
    size_t low = 0, high = a->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(a->items[middle], key);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = false;
    return low;
}

static void append(struct array *to, const struct array *from, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        record_ref(from->items[i]);
        to->items[to->n++] = from->items[i];
    }
}

struct array *catalog__array_with(const struct array *a, struct record *r, array_compare *compare)
{
    bool found;
    size_t at = catalog__array_find(a, r->payload, compare, &found);
    struct array *b = catalog__array_new(a->n + 1);
    append(b, a, 0, at);
    record_ref(r->payload);
    b->items[b->n++] = r->payload;
    append(b, a, found ? at + 1 : at, a->n);
    return b;
}

struct array *catalog__array_without(const struct array *a, size_t at)
{
    struct array *b = catalog__array_new(a->n);
    append(b, a, 0, at);
    append(b, a, at + 1, a->n);
    return b;
}
