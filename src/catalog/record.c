/* Records of the store in memory, and the sorted arrays of them: both immutable, shared, counted.
 */
#include "catalog/catalog_int.h"

enum { RECORD_BLOCK = 256 };

struct record *catalog__record_new(size_t payload)
{
    struct record *r = mem_zalloc(sizeof(*r) + payload);
    atomic_init(&r->refs, 1);
    r->arena.block = RECORD_BLOCK; /* there may be thousands, each of some hundred bytes */
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
    a->cap = n;
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

/* The caller's alone, with room for one more. */
static void make_own(struct array **array)
{
    enum { SLACK = 64 };
    struct array *a = *array;
    if (atomic_load(&a->refs) == 1 && a->n < a->cap)
        return;
    struct array *own = catalog__array_new(a->n + SLACK);
    for (size_t i = 0; i < a->n; i++) {
        record_ref(a->items[i]);
        own->items[i] = a->items[i];
    }
    own->n = a->n;
    catalog__array_unref(a);
    *array = own;
}

void catalog__array_put(struct array **array, struct record *r, array_compare *compare)
{
    bool found;
    make_own(array);
    struct array *a = *array;
    size_t at = catalog__array_find(a, r->payload, compare, &found);
    record_ref(r->payload);
    if (found) {
        catalog__record_unref(catalog__record_of(a->items[at]));
    } else {
        memmove(&a->items[at + 1], &a->items[at], (a->n - at) * sizeof(a->items[0]));
        a->n++;
    }
    a->items[at] = r->payload;
}

void catalog__array_remove(struct array **array, size_t at)
{
    make_own(array);
    struct array *a = *array;
    catalog__record_unref(catalog__record_of(a->items[at]));
    a->n--;
    memmove(&a->items[at], &a->items[at + 1], (a->n - at) * sizeof(a->items[0]));
}
