/*
 * Hash aggregation: an open-addressing table of groups, their keys by columns, their states in one
 * array.
 *
 * Finding a tuple's group, fastest first:
 *   no key                          there is one group
 *   keys out of one built scan      the row of that scan leads to its group, remembered after the
 * first time one int column                  hashed and compared as a number anything else values
 * hashed and compared by their types NULLs are equal to each other here.
 */
#include "exec/batch_int.h"

enum { FIRST_SLOTS = 1024 };

/* ---- set-up --------------------------------------------------------------------------------- */

/* All keys are columns of one scan that is built: which. */
static int common_scan(const struct groups *g)
{
    int scan = -1;
    for (int i = 0; i < g->n_keys; i++) {
        if (g->keys[i]->kind != NODE_COLUMN || (scan >= 0 && g->keys[i]->scan != scan))
            return -1;
        scan = g->keys[i]->scan;
    }
    return scan > 0 ? scan : -1;
}

static bool is_int(uint32_t type)
{
    return type == OID_INT2 || type == OID_INT4 || type == OID_INT8;
}

struct error *exec__groups_init(struct groups *g, const struct plan_batch *plan,
                                const struct run *r, struct arena *a, const struct rows *sides)
{
    *g = (struct groups){.plan = plan, .n_keys = plan->n_group, .n_aggs = plan->n_aggs};
    g->keys = ARENA_ARRAY(a, struct node *, g->n_keys + 1);
    g->types = ARENA_ARRAY(a, const struct type *, g->n_keys + 1);
    for (int i = 0; i < g->n_keys; i++) {
        g->keys[i] = exec__compile(plan, r, a, plan->group[i], false);
        g->types[i] = type_by_oid(plan->group[i]->type);
        if (!g->types[i])
            return error_new(E_INTERNAL, "grouping by an unknown type");
    }
    g->args = ARENA_ARRAY(a, struct node **, g->n_aggs + 1);
    g->filters = ARENA_ARRAY(a, struct node *, g->n_aggs + 1);
    for (int i = 0; i < g->n_aggs; i++) {
        const struct expr *e = plan->aggs[i];
        g->args[i] = ARENA_ARRAY(a, struct node *, e->n_args + 1);
        for (int k = 0; k < e->n_args; k++)
            g->args[i][k] = exec__compile(plan, r, a, e->args[k], false);
        if (e->call.filter)
            g->filters[i] = exec__compile(plan, r, a, e->call.filter, false);
    }
    exec__rows_init(&g->rows, g->n_keys);
    g->slots = mem_zalloc(FIRST_SLOTS * sizeof(*g->slots));
    g->mask = FIRST_SLOTS - 1;
    g->ints = g->n_keys == 1 && g->keys[0]->kind == NODE_COLUMN && is_int(plan->group[0]->type);
    g->by_scan = common_scan(g);
    if (g->by_scan >= 0) {
        size_t n = (size_t)sides[g->by_scan].n + 1;
        g->of_row = mem_alloc(n * sizeof(*g->of_row));
        memset(g->of_row, 0xff, n * sizeof(*g->of_row));
    }
    return NULL;
}

void exec__groups_done(struct groups *g)
{
    for (int a = 0; a < g->n_aggs; a++) {
        const struct agg *agg = g->plan->aggs[a]->call.func->agg;
        for (uint32_t i = 0; agg->done && i < g->rows.n; i++)
            agg->done(&g->states[(size_t)i * (size_t)g->n_aggs + (size_t)a]);
    }
    exec__rows_done(&g->rows);
    mem_free(g->states);
    mem_free(g->slots);
    mem_free(g->hashes);
    mem_free(g->of_row);
}

/* ---- groups --------------------------------------------------------------------------------- */

static void rehash(struct groups *g)
{
    size_t slots = (g->mask + 1) * 2;
    mem_free(g->slots);
    g->slots = mem_zalloc(slots * sizeof(*g->slots));
    g->mask = slots - 1;
    for (uint32_t i = 0; i < g->rows.n; i++) {
        uint64_t at = g->hashes[i] & g->mask;
        while (g->slots[at])
            at = (at + 1) & g->mask;
        g->slots[at] = i + 1;
    }
}

/* A new group with these keys, its states initial. */
static struct error *new_group(struct groups *g, const struct value *keys, uint32_t hash,
                               uint32_t *ret)
{
    uint32_t i = g->rows.n;
    TRY(exec__rows_add(&g->rows, keys));
    if (i >= g->cap_states) {
        g->cap_states = MAX(1024u, g->cap_states * 2);
        g->states =
            mem_realloc(g->states, sizeof(*g->states) * g->cap_states * (size_t)MAX(g->n_aggs, 1));
        g->hashes = mem_realloc(g->hashes, sizeof(*g->hashes) * g->cap_states);
    }
    g->hashes[i] = hash;
    for (int a = 0; a < g->n_aggs; a++)
        g->plan->aggs[a]->call.func->agg->init(
            &g->states[(size_t)i * (size_t)g->n_aggs + (size_t)a]);
    if ((uint64_t)g->rows.n * 2 > g->mask)
        rehash(g);
    g->bytes = g->rows.bytes + (g->mask + 1) * 4 +
               (size_t)g->cap_states * (4 + sizeof(*g->states) * (size_t)g->n_aggs);
    *ret = i;
    return NULL;
}

static void put_slot(struct groups *g, uint32_t hash, uint32_t group)
{
    uint64_t at = hash & g->mask;
    while (g->slots[at])
        at = (at + 1) & g->mask;
    g->slots[at] = group + 1;
}

/* new_group() may have rehashed, which puts the new group in as well. */
static struct error *add_group(struct groups *g, const struct value *keys, uint32_t hash,
                               uint32_t *ret)
{
    uint64_t mask = g->mask;
    TRY(new_group(g, keys, hash, ret));
    if (g->mask == mask)
        put_slot(g, hash, *ret);
    return NULL;
}

static bool same_keys(const struct groups *g, const struct value *keys, uint32_t group)
{
    for (int i = 0; i < g->n_keys; i++) {
        struct value k = vec_get(&g->rows.col[i], group);
        if (k.kind == VALUE_NULL || keys[i].kind == VALUE_NULL) {
            if (k.kind != keys[i].kind)
                return false;
        } else if (type_compare(g->types[i], &k, &keys[i]) != 0) {
            return false;
        }
    }
    return true;
}

static struct error *find_values(struct groups *g, const struct value *keys, uint32_t *ret)
{
    uint32_t h = 0;
    for (int i = 0; i < g->n_keys; i++)
        h = (uint32_t)hash_int(((uint64_t)h << 32) ^
                               (keys[i].kind == VALUE_NULL ? 0x5bd1e995 : value_hash(&keys[i])));
    for (uint64_t at = h & g->mask; g->slots[at]; at = (at + 1) & g->mask) {
        uint32_t group = g->slots[at] - 1;
        if (g->hashes[group] == h && same_keys(g, keys, group)) {
            *ret = group;
            return NULL;
        }
    }
    return add_group(g, keys, h, ret);
}

static struct error *find_by_eval(struct groups *g, struct env *v, uint32_t *ret)
{
    struct value few[8], *keys = few;
    if (g->n_keys > (int)ARRAY_LEN(few))
        keys = ARENA_ARRAY(&v->arena, struct value, g->n_keys);
    for (int i = 0; i < g->n_keys; i++)
        TRY(exec__eval(v, g->keys[i], &keys[i]));
    return find_values(g, keys, ret);
}

/* One int column. */
static struct error *find_ints(struct groups *g, struct env *v, int n, uint32_t *ret)
{
    const struct node *k = g->keys[0];
    const struct vec *key = &v->sides[k->scan].col[k->column];
    const uint32_t *idx = v->idx[k->scan];
    for (int t = 0; t < n; t++) {
        uint32_t row = idx[t];
        if (row == NO_ROW || key->kind[row] != VALUE_INT) {
            const struct value null = {.kind = VALUE_NULL};
            TRY(find_values(g, &null, &ret[t]));
            continue;
        }
        uint64_t bits = key->bits[row];
        uint32_t h = (uint32_t)hash_int(bits), group = NO_ROW;
        for (uint64_t at = h & g->mask; g->slots[at]; at = (at + 1) & g->mask) {
            uint32_t i = g->slots[at] - 1;
            if (g->rows.col[0].bits[i] == bits && g->rows.col[0].kind[i] == VALUE_INT) {
                group = i;
                break;
            }
        }
        if (group == NO_ROW) {
            const struct value value = {.kind = VALUE_INT, .i = (int64_t)bits};
            TRY(add_group(g, &value, h, &group));
        }
        ret[t] = group;
    }
    return NULL;
}

static struct error *find_by_scan(struct groups *g, struct env *v, int n, uint32_t *ret)
{
    uint32_t rows = v->sides[g->by_scan].n;
    for (int t = 0; t < n; t++) {
        uint32_t row = MIN(v->idx[g->by_scan][t], rows);
        if (g->of_row[row] == NO_ROW) {
            v->t = (uint32_t)t;
            TRY(find_by_eval(g, v, &g->of_row[row]));
        }
        ret[t] = g->of_row[row];
    }
    return NULL;
}

static struct error *find_groups(struct groups *g, struct env *v, int n, uint32_t *ret)
{
    if (g->n_keys == 0) {
        if (g->rows.n == 0)
            TRY(new_group(g, NULL, 0, ret));
        memset(ret, 0, sizeof(*ret) * (size_t)n);
        return NULL;
    }
    if (g->by_scan >= 0)
        return find_by_scan(g, v, n, ret);
    if (g->ints)
        return find_ints(g, v, n, ret);
    for (int t = 0; t < n; t++) {
        v->t = (uint32_t)t;
        TRY(find_by_eval(g, v, &ret[t]));
    }
    return NULL;
}

/* ---- aggregates ----------------------------------------------------------------------------- */

/* One argument that is a column, no FILTER: the usual sum(x). */
static struct error *step_column(struct groups *g, const struct env *v, int a, int n,
                                 const uint32_t *group)
{
    const struct func *f = g->plan->aggs[a]->call.func;
    const struct node *arg = g->args[a][0];
    const struct vec *c = &v->sides[arg->scan].col[arg->column];
    const uint32_t *idx = v->idx[arg->scan];
    for (int t = 0; t < n; t++) {
        struct value x = {.kind = VALUE_NULL};
        if (idx[t] != NO_ROW)
            x = vec_get(c, idx[t]);
        if (x.kind == VALUE_NULL && f->strict)
            continue;
        TRY(f->agg->step(&g->states[(size_t)group[t] * (size_t)g->n_aggs + (size_t)a], &x, 1));
    }
    return NULL;
}

static struct error *step_one(struct groups *g, struct env *v, int a, struct agg_state *state)
{
    const struct expr *e = g->plan->aggs[a];
    struct value args[FUNC_MAX_ARGS];
    bool counts = true;
    if (g->filters[a])
        TRY(exec__eval_true(v, g->filters[a], &counts));
    for (int i = 0; counts && i < e->n_args; i++) {
        TRY(exec__eval(v, g->args[a][i], &args[i]));
        counts = !e->call.func->strict || args[i].kind != VALUE_NULL;
    }
    return counts ? e->call.func->agg->step(state, args, e->n_args) : NULL;
}

static struct error *step_all(struct groups *g, struct env *v, int a, int n, const uint32_t *group)
{
    const struct expr *e = g->plan->aggs[a];
    if (e->n_args == 1 && !g->filters[a] && g->args[a][0]->kind == NODE_COLUMN)
        return step_column(g, v, a, n, group);
    for (int t = 0; t < n; t++) {
        v->t = (uint32_t)t;
        TRY(step_one(g, v, a, &g->states[(size_t)group[t] * (size_t)g->n_aggs + (size_t)a]));
    }
    return NULL;
}

struct error *exec__groups_add(struct groups *g, struct env *v, int n)
{
    uint32_t group[BATCH_ROWS];
    TRY(find_groups(g, v, n, group));
    for (int a = 0; a < g->n_aggs; a++)
        TRY(step_all(g, v, a, n, group));
    arena_reset(&v->arena);
    return NULL;
}

struct error *exec__groups_add_empty(struct groups *g)
{
    uint32_t group;
    return new_group(g, NULL, 0, &group);
}

struct error *exec__group_final(struct groups *g, uint32_t group, struct arena *a,
                                struct value *ret)
{
    for (int i = 0; i < g->n_aggs; i++)
        TRY(g->plan->aggs[i]->call.func->agg->final(
            &g->states[(size_t)group * (size_t)g->n_aggs + (size_t)i], a, &ret[i]));
    return NULL;
}
