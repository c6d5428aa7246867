/*
 * Hash tables of joins. Rows with equal hash are chained in their order of arrival; rows with a
 * NULL in the key are in no chain, because NULL equals nothing (but for IS NOT DISTINCT FROM).
 *
 * One integer key is the common case. Where the keys lie close together (a primary key), there is
 * no hashing at all: the chain's head is found at key - low, and no candidate needs to be compared.
 */
#include "exec/batch_int.h"

/* ---- keys ----------------------------------------------------------------------------------- */

static const struct vec *key_column(const struct hash_join *j, int k)
{
    return &j->rows.col[j->plan->inner[k]];
}

static uint32_t mix(uint32_t h, const struct value *v)
{
    return (uint32_t)hash_int(((uint64_t)h << 32) ^ value_hash(v));
}

static bool row_hash(const struct hash_join *j, uint32_t row, uint32_t *ret)
{
    uint32_t h = 0;
    for (int k = 0; k < j->plan->n_keys; k++) {
        struct value v = vec_get(key_column(j, k), row);
        if (v.kind == VALUE_NULL && !j->plan->key_nulls[k])
            return false;
        h = mix(h, &v);
    }
    *ret = h;
    return true;
}

static struct value outer_key(const struct hash_join *j, const struct env *v, int k, uint32_t t)
{
    const struct plan_slot *s = &j->plan->outer[k];
    uint32_t row = v->idx[s->scan][t];
    if (row == NO_ROW)
        return (struct value){.kind = VALUE_NULL};
    return vec_get(&v->sides[s->scan].col[s->column], row);
}

/* ---- building ------------------------------------------------------------------------------- */

static void find_range(struct hash_join *j)
{
    const struct vec *v = key_column(j, 0);
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (uint32_t i = 0; i < j->rows.n; i++) {
        if (v->kind[i] != VALUE_INT)
            continue;
        low = MIN(low, (int64_t)v->bits[i]);
        high = MAX(high, (int64_t)v->bits[i]);
    }
    if (low > high) {
        low = high = 0;
    }
    j->low = low;
    j->range = (uint64_t)high - (uint64_t)low + 1;
    j->dense = j->range != 0 && j->range <= (uint64_t)j->rows.n * 4 + 1024;
}

static void link_row(struct hash_join *j, uint64_t slot, uint32_t row)
{
    j->next[row] = j->heads[slot];
    j->heads[slot] = row;
}

static void link_ints(struct hash_join *j)
{
    const struct vec *v = key_column(j, 0);
    for (uint32_t i = j->rows.n; i-- > 0;) {
        if (v->kind[i] != VALUE_INT)
            continue;
        uint64_t slot = j->dense ? v->bits[i] - (uint64_t)j->low : hash_int(v->bits[i]) & j->mask;
        link_row(j, slot, i);
    }
}

static void link_hashes(struct hash_join *j)
{
    for (uint32_t i = j->rows.n; i-- > 0;)
        if (row_hash(j, i, &j->hashes[i]))
            link_row(j, j->hashes[i] & j->mask, i);
}

struct error *exec__join_build(struct hash_join *j)
{
    uint32_t n = j->rows.n;
    if (j->plan->n_keys == 0)
        return NULL;
    j->ints = j->plan->n_keys == 1 && j->plan->key_types[0] == OID_INT8 && !j->plan->nulls;
    if (j->ints)
        find_range(j);
    uint64_t slots = 16;
    while (slots < (uint64_t)n * 2)
        slots *= 2;
    j->mask = slots - 1;
    if (j->dense)
        slots = j->range;
    j->heads = mem_alloc(slots * sizeof(*j->heads));
    memset(j->heads, 0xff, slots * sizeof(*j->heads));
    j->next = mem_alloc(MAX(n, 1u) * sizeof(*j->next));
    j->bytes = (slots + n) * sizeof(uint32_t);
    if (j->ints) {
        link_ints(j);
        return NULL;
    }
    j->hashes = mem_alloc(MAX(n, 1u) * sizeof(*j->hashes));
    j->bytes += n * sizeof(uint32_t);
    link_hashes(j);
    return NULL;
}

void exec__join_done(struct hash_join *j)
{
    exec__rows_done(&j->rows);
    mem_free(j->heads);
    mem_free(j->next);
    mem_free(j->hashes);
}

/* ---- probing -------------------------------------------------------------------------------- */

static void int_heads(const struct hash_join *j, const struct env *v, int n, uint32_t *heads)
{
    const struct plan_slot *s = &j->plan->outer[0];
    const struct vec *key = &v->sides[s->scan].col[s->column];
    const uint32_t *idx = v->idx[s->scan];
    for (int t = 0; t < n; t++) {
        uint32_t row = idx[t];
        if (row == NO_ROW || key->kind[row] != VALUE_INT) {
            heads[t] = NO_ROW;
        } else if (j->dense) {
            uint64_t at = key->bits[row] - (uint64_t)j->low;
            heads[t] = at < j->range ? j->heads[at] : NO_ROW;
        } else {
            heads[t] = j->heads[hash_int(key->bits[row]) & j->mask];
        }
    }
}

void exec__join_heads(const struct hash_join *j, const struct env *v, int n, uint32_t *heads,
                      uint32_t *hashes)
{
    if (j->ints) {
        int_heads(j, v, n, heads);
        return;
    }
    for (int t = 0; t < n; t++) {
        uint32_t h = 0;
        bool null = false;
        for (int k = 0; k < j->plan->n_keys && !null; k++) {
            struct value key = outer_key(j, v, k, (uint32_t)t);
            null = key.kind == VALUE_NULL && !j->plan->key_nulls[k];
            if (!null)
                h = mix(h, &key);
        }
        hashes[t] = h;
        heads[t] = null ? NO_ROW : j->heads[h & j->mask];
    }
}

bool exec__join_match(const struct hash_join *j, const struct env *v, uint32_t t, uint32_t hash,
                      uint32_t row)
{
    if (j->dense)
        return true;
    if (j->ints) {
        const struct plan_slot *s = &j->plan->outer[0];
        return key_column(j, 0)->bits[row] ==
               v->sides[s->scan].col[s->column].bits[v->idx[s->scan][t]];
    }
    if (j->hashes[row] != hash)
        return false;
    for (int k = 0; k < j->plan->n_keys; k++) {
        struct value a = outer_key(j, v, k, t), b = vec_get(key_column(j, k), row);
        bool a_null = a.kind == VALUE_NULL, b_null = b.kind == VALUE_NULL;
        if (a_null != b_null || (!a_null && type_compare(j->types[k], &a, &b) != 0))
            return false;
    }
    return true;
}
