/*
 * Aggregates over sorted rows: string_agg(DISTINCT x, ',' ORDER BY y DESC), and those that are
 * about the order itself: percentile_cont(0.5) WITHIN GROUP (ORDER BY y), see agg_ordered.c.
 *
 * SQLite 3.40 has no ORDER BY inside an aggregate, so each of ours is registered a third time:
 *
 *   string_agg_sorted('2d 25.0 1700.3', x, ',', y, z)
 *
 * takes a description, the arguments, and the keys. It keeps the rows, sorts them at the end, and
 * only then steps the aggregate. The description: how many arguments there are, `d` if rows with
 * equal keys count once, and for each key its type and direction (1 descending, 2 NULLs first).
 */
#include "types/ordered.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

/* Arguments: of a hypothetical row, as many as keys. */
enum { DESCENDING = 1, NULLS_FIRST = 2, MAX_DIRECT = ORDERED_MAX_KEYS };

struct sorted {
    struct ordered_rows r; /* its rows are owned, with copies of their texts */
    bool distinct;
    size_t cap, bytes;
};

struct slot {
    struct sorted *sorted;
};

static bool parse(struct sorted *s, const char *text, int n)
{
    int at = 0;
    if (sscanf(text, "%d%n", &s->r.n_args, &at) != 1 || s->r.n_args < 0 || s->r.n_args > MAX_DIRECT)
        return false;
    s->distinct = text[at] == 'd';
    text += at + s->distinct;
    unsigned oid;
    int direction;
    for (; sscanf(text, " %u.%d%n", &oid, &direction, &at) == 2; text += at) {
        const struct type *t = type_by_oid(oid);
        if (s->r.n_keys == ORDERED_MAX_KEYS || !t)
            return false;
        s->r.keys[s->r.n_keys++] = (struct ordered_key){.type = t, .direction = direction};
    }
    return n == s->r.n_args + s->r.n_keys;
}

static void sorted_free(struct sorted *s)
{
    size_t n = s->r.n * (size_t)(s->r.n_args + s->r.n_keys);
    for (size_t i = 0; i < n; i++)
        if (s->r.rows[i].kind == VALUE_TEXT || s->r.rows[i].kind == VALUE_BLOB)
            mem_free((char *)s->r.rows[i].s.p);
    mem_free(s->r.rows);
    mem_free(s);
}

static void keep(struct sorted *s, const struct value *values)
{
    size_t width = (size_t)(s->r.n_args + s->r.n_keys);
    if (s->r.n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 16;
        s->r.rows = mem_realloc(s->r.rows, s->cap * width * sizeof(*s->r.rows));
    }
    struct value *row = s->r.rows + s->r.n++ * width;
    for (size_t i = 0; i < width; i++) {
        row[i] = values[i];
        s->bytes += sizeof(*row);
        if (values[i].kind == VALUE_TEXT || values[i].kind == VALUE_BLOB) {
            row[i].s.p = mem_strndup(values[i].s.p, values[i].s.n);
            s->bytes += values[i].s.n;
        }
    }
}

static struct sorted *sorted_of(sqlite3_context *c, int n, sqlite3_value **argv)
{
    struct slot *slot = sqlite3_aggregate_context(c, sizeof(*slot));
    if (!slot) {
        sqlite3_result_error_nomem(c);
        return NULL;
    }
    if (slot->sorted)
        return slot->sorted;
    struct sorted *s = NEW(struct sorted);
    const char *text = n ? (const char *)sqlite3_value_text(argv[0]) : NULL;
    if (!text || !parse(s, text, n - 1)) {
        mem_free(s);
        sqlite3_result_error(c, "malformed sorted aggregate", -1);
        return NULL;
    }
    slot->sorted = s;
    return s;
}

static void sorted_step(sqlite3_context *c, int n, sqlite3_value **argv)
{
    struct sorted *s = sorted_of(c, n, argv);
    struct value values[MAX_DIRECT + ORDERED_MAX_KEYS];
    struct error *e = NULL;
    if (!s)
        return;
    if (n != 1 + s->r.n_args + s->r.n_keys) {
        sqlite3_result_error(c, "malformed sorted aggregate", -1);
        return;
    }
    if (types__sqlite_args(sqlite3_user_data(c), s->r.n_args, argv + 1, values, &e)) {
        for (int i = 0; i < s->r.n_keys; i++)
            values[s->r.n_args + i] = value_of_sqlite(argv[1 + s->r.n_args + i]);
        keep(s, values);
        if (s->bytes > TEXT_MAX_BYTES)
            e = error_hint(error_new("54000", "an aggregate holds too many rows to sort them"),
                           "Aggregate fewer rows, or sort them in the client.");
    }
    if (e)
        types__sqlite_error(c, e);
}

static int compare_key(const struct ordered_key *k, const struct value *x, const struct value *y)
{
    bool x_null = x->kind == VALUE_NULL, y_null = y->kind == VALUE_NULL;
    if (x_null || y_null) {
        int order = y_null - x_null;
        return k->direction & NULLS_FIRST ? order : -order;
    }
    if (x->kind != y->kind || x->kind != k->type->storage) /* what a region sent may be anything */
        return (int)x->kind - (int)y->kind;
    int order = k->type->compare(k->type, x, y);
    return k->direction & DESCENDING ? -order : order;
}

int types__ordered_compare(const struct ordered_rows *r, const struct value *x,
                           const struct value *y)
{
    for (int i = 0; i < r->n_keys; i++) {
        int order = compare_key(&r->keys[i], &x[i], &y[i]);
        if (order)
            return order;
    }
    return 0;
}

static int compare_rows(const void *x, const void *y, void *ctx)
{
    const struct ordered_rows *r = ctx;
    return types__ordered_compare(r, (const struct value *)x + r->n_args,
                                  (const struct value *)y + r->n_args);
}

static void sort(struct sorted *s)
{
    size_t width = (size_t)(s->r.n_args + s->r.n_keys);
    if (s->r.n)
        qsort_r(s->r.rows, s->r.n, width * sizeof(*s->r.rows), compare_rows, &s->r);
}

static struct error *step_all(struct sorted *s, const struct agg *agg, struct agg_state *state)
{
    size_t width = (size_t)(s->r.n_args + s->r.n_keys);
    for (size_t i = 0; i < s->r.n; i++) {
        const struct value *row = s->r.rows + i * width;
        if (!s->distinct || i == 0 || compare_rows(row - width, row, &s->r) != 0)
            TRY(agg->step(state, row, s->r.n_args));
    }
    return NULL;
}

static void give_ordered(sqlite3_context *c, const struct func *f, const struct ordered_rows *rows)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct value result = {.kind = VALUE_NULL};
    struct error *e = f->ordered(rows, &a, &result);
    if (e)
        types__sqlite_error(c, e);
    else
        types__give(c, &result);
}

static void ordered_final(sqlite3_context *c)
{
    static const struct ordered_rows none;
    const struct func *f = types__sqlite_func(sqlite3_user_data(c));
    struct slot *slot = sqlite3_aggregate_context(c, 0);
    struct sorted *s = slot ? slot->sorted : NULL;
    if (!s) {
        give_ordered(c, f, &none);
        return;
    }
    sort(s);
    give_ordered(c, f, &s->r);
    sorted_free(s);
    slot->sorted = NULL;
}

static void sorted_final(sqlite3_context *c)
{
    const struct agg *agg = types__sqlite_func(sqlite3_user_data(c))->agg;
    struct slot *slot = sqlite3_aggregate_context(c, 0);
    struct sorted *s = slot ? slot->sorted : NULL;
    struct agg_state state;
    struct error *e = NULL;
    agg->init(&state);
    if (s) {
        sort(s);
        e = step_all(s, agg, &state);
        sorted_free(s);
        slot->sorted = NULL;
    }
    if (e)
        types__sqlite_error(c, e);
    else
        types__sqlite_final(c, agg, &state);
    if (agg->done)
        agg->done(&state);
}

int types__register_sorted(sqlite3 *db, const char *name, void *registration)
{
    char sorted[64];
    snprintf(sorted, sizeof(sorted), "%s_sorted", name);
    return sqlite3_create_function_v2(
        db, sorted, -1, SQLITE_UTF8 | SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC, registration, NULL,
        sorted_step, types__sqlite_func(registration)->ordered ? ordered_final : sorted_final,
        NULL);
}
