/*
 * Finding types: by oid, by name; types made at run time; what a type is called in messages.
 *
 * The rows of type.c, one array type for each that has one, and what type_add() brings lie in one
 * open hash by oid. Readers take no lock: a slot changes once from NULL to a row and from then on
 * only to a newer row of the same oid; a table that became too small is replaced by a larger copy.
 * Nothing is ever freed, since plans and values point at rows: old tables and rows stay in lists,
 * from which only the end of the process removes them. Enums are few and change rarely.
 */
#include "types/types_int.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

struct index {
    struct index *older;
    size_t n, mask; /* mask + 1 slots; n of them taken */
    _Atomic(const struct type *) slots[];
};

struct added {
    struct added *older;
    struct type type;
};

enum { MAX_BUILT_IN = 256 };

static _Atomic(struct index *) current;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards writing, and: */
static struct added *all_added;

/* The program's own rows, arrays too. Written once by build(). */
static struct type array_rows[MAX_BUILT_IN];
static const struct type *built_in[MAX_BUILT_IN];
static size_t n_built_in;

/* ---- the index ---------------------------------------------------------------------------- */

static size_t slot_of(const struct index *x, uint32_t oid)
{
    size_t i = (oid * 2654435761U) & x->mask;
    for (;; i = (i + 1) & x->mask) {
        const struct type *t = atomic_load_explicit(&x->slots[i], memory_order_acquire);
        if (!t || t->oid == oid)
            return i;
    }
}

static void put(struct index *x, const struct type *t)
{
    size_t i = slot_of(x, t->oid);
    x->n += !atomic_load(&x->slots[i]);
    atomic_store_explicit(&x->slots[i], t, memory_order_release);
}

static struct index *new_index(size_t slots, struct index *older)
{
    struct index *x = mem_zalloc(sizeof(*x) + slots * sizeof(x->slots[0]));
    x->mask = slots - 1;
    x->older = older;
    return x;
}

/* Under the lock. */
static void insert(const struct type *t)
{
    struct index *x = atomic_load(&current);
    if (x->n * 2 > x->mask) {
        struct index *larger = new_index((x->mask + 1) * 2, x);
        for (size_t i = 0; i <= x->mask; i++) {
            const struct type *old = atomic_load(&x->slots[i]);
            if (old)
                put(larger, old);
        }
        atomic_store(&current, larger);
        x = larger;
    }
    put(x, t);
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* The array type of `t`. The strings belong to nobody: they live as long as the row. */
static struct type array_of(const struct type *t)
{
    struct type array = {.oid = t->array, .element = t->oid};
    array.name = mem_printf("_%s", t->name);
    array.sql_name = mem_printf("%s[]", t->sql_name);
    array.collate = mem_printf(" COLLATE minisql_type_%u", t->array);
    array.collation = array.collate + strlen(" COLLATE ");
    types__array_type(&array, t);
    return array;
}

static void build(void)
{
    size_t n_arrays = 0;
    atomic_store(&current, new_index(4 * MAX_BUILT_IN, NULL));
    for (size_t i = 0; i < types__rows.n; i++) {
        const struct type *t = &types__rows.rows[i];
        built_in[n_built_in++] = t;
        insert(t);
        if (!t->array)
            continue;
        array_rows[n_arrays] = array_of(t);
        built_in[n_built_in++] = &array_rows[n_arrays];
        insert(&array_rows[n_arrays++]);
    }
}

const struct type *type_by_oid(uint32_t oid)
{
    pthread_once(&once, build);
    const struct index *x = atomic_load_explicit(&current, memory_order_acquire);
    return atomic_load_explicit(&x->slots[slot_of(x, oid)], memory_order_acquire);
}

const struct type *const *type_table(size_t *ret_n)
{
    pthread_once(&once, build);
    *ret_n = n_built_in;
    return built_in;
}

/* ---- types made at run time ------------------------------------------------------------------ */

static bool same_text(const char *x, const char *y)
{
    return x == y || (x && y && strcmp(x, y) == 0);
}

static bool same(const struct type *x, const struct type *y)
{
    return same_text(x->name, y->name) && same_text(x->sql_name, y->sql_name) &&
           same_text(x->collation, y->collation) && x->size == y->size &&
           x->category == y->category && x->preferred == y->preferred && x->storage == y->storage &&
           x->column == y->column && x->array == y->array && x->element == y->element &&
           x->parse == y->parse && x->print == y->print && x->recv == y->recv &&
           x->send == y->send && x->compare == y->compare && x->data_size == y->data_size &&
           (x->data_size == 0 || memcmp(x->data, y->data, x->data_size) == 0);
}

/* Under the lock. */
static const struct type *keep(struct type t)
{
    struct added *kept = NEW(struct added);
    kept->type = t;
    kept->older = all_added;
    all_added = kept;
    insert(&kept->type);
    return &kept->type;
}

const struct type *type_add(const struct type *t)
{
    pthread_once(&once, build);
    pthread_mutex_lock(&lock);
    const struct type *known = type_by_oid(t->oid);
    if (!known || !same(known, t)) {
        struct type copy = *t;
        copy.name = mem_strdup(t->name);
        copy.sql_name = mem_strdup(t->sql_name);
        copy.collate = t->collation ? mem_printf(" COLLATE %s", t->collation) : NULL;
        copy.collation = t->collation ? copy.collate + strlen(" COLLATE ") : NULL;
        copy.data = t->data_size ? mem_strndup(t->data, t->data_size) : NULL;
        known = keep(copy);
        if (t->array)
            keep(array_of(known));
    }
    pthread_mutex_unlock(&lock);
    return known;
}

/* ---- names ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint32_t oid;
} spellings[] = {
    {"boolean", OID_BOOL},
    {"smallint", OID_INT2},
    {"int", OID_INT4},
    {"integer", OID_INT4},
    {"bigint", OID_INT8},
    {"real", OID_FLOAT4},
    {"double precision", OID_FLOAT8},
    {"float", OID_FLOAT8},
    {"character", OID_BPCHAR},
    {"char", OID_BPCHAR},
    {"character varying", OID_VARCHAR},
    {"decimal", OID_NUMERIC},
    {"dec", OID_NUMERIC},
    {"time without time zone", OID_TIME},
    {"bit varying", OID_VARBIT},
    {"time with time zone", OID_TIMETZ},
    {"timestamp without time zone", OID_TIMESTAMP},
    {"timestamp with time zone", OID_TIMESTAMPTZ},
};

const struct type *type_by_name(const char *name)
{
    pthread_once(&once, build);
    for (size_t i = 0; i < n_built_in; i++)
        if (strcmp(built_in[i]->name, name) == 0)
            return built_in[i];
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++)
        if (strcmp(spellings[i].name, name) == 0)
            return type_by_oid(spellings[i].oid);
    return NULL;
}

const char *type_interval_fields(int32_t typmod)
{
    static const struct {
        int fields;
        const char *words;
    } all[] = {{INTERVAL_YEAR, " year"},
               {INTERVAL_MONTH, " month"},
               {INTERVAL_DAY, " day"},
               {INTERVAL_HOUR, " hour"},
               {INTERVAL_MINUTE, " minute"},
               {INTERVAL_SECOND, " second"},
               {INTERVAL_YEAR | INTERVAL_MONTH, " year to month"},
               {INTERVAL_DAY | INTERVAL_HOUR, " day to hour"},
               {INTERVAL_DAY | INTERVAL_HOUR | INTERVAL_MINUTE, " day to minute"},
               {INTERVAL_DAY | INTERVAL_HOUR | INTERVAL_MINUTE | INTERVAL_SECOND, " day to second"},
               {INTERVAL_HOUR | INTERVAL_MINUTE, " hour to minute"},
               {INTERVAL_HOUR | INTERVAL_MINUTE | INTERVAL_SECOND, " hour to second"},
               {INTERVAL_MINUTE | INTERVAL_SECOND, " minute to second"},
               {INTERVAL_ALL_FIELDS, ""}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].fields == (typmod >> 16 & INTERVAL_ALL_FIELDS))
            return all[i].words;
    return NULL;
}

static const char *interval_label(int32_t typmod, struct arena *a)
{
    const char *words = type_interval_fields(typmod);
    int digits = typmod & INTERVAL_ALL_DIGITS;
    words = words ? words : "";
    return digits == INTERVAL_ALL_DIGITS ? arena_printf(a, "interval%s", words)
                                         : arena_printf(a, "interval%s(%d)", words, digits);
}

const char *type_label(uint32_t oid, int32_t typmod, struct arena *a)
{
    const struct type *t = type_by_oid(oid);
    if (!t)
        return arena_printf(a, "type %u", oid);
    if (t->category == 'A' && t->element && t->array == 0) /* of int[], not int2vector */
        return arena_printf(a, "%s[]", type_label(t->element, typmod, a));
    if (oid >= FIRST_USER_OID) {
        _cleanup_(buf_done) struct buf name = {0};
        if (types__print_name(OID_REGTYPE, oid, &name))
            return arena_strdup(a, name.data);
    }
    if (oid == OID_INTERVAL && typmod >= 0)
        return interval_label(typmod, a);
    if (typmod >= 0 && (oid == OID_BIT || oid == OID_VARBIT))
        return arena_printf(a, "%s(%d)", t->sql_name, typmod);
    if (oid == OID_BPCHAR && typmod < 4)
        return "bpchar"; /* without a length it is not the same as character, which has length 1 */
    if (typmod >= 0 && (oid == OID_TIMESTAMP || oid == OID_TIMESTAMPTZ))
        return arena_printf(a, "timestamp(%d)%s", typmod, t->sql_name + strlen("timestamp"));
    if (typmod >= 0 && (oid == OID_TIME || oid == OID_TIMETZ))
        return arena_printf(a, "time(%d)%s", typmod, t->sql_name + strlen("time"));
    if (typmod < 4)
        return t->sql_name;
    if (oid == OID_NUMERIC)
        return arena_printf(a, "numeric(%d,%d)", (typmod - 4) >> 16, (typmod - 4) & 0xffff);
    if (oid == OID_VARCHAR || oid == OID_BPCHAR)
        return arena_printf(a, "%s(%d)", t->sql_name, typmod - 4);
    return t->sql_name;
}
