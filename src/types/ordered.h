/* Rows that an aggregate has sorted: sorted.c, agg_ordered.c. Private to them. */
#pragma once

#include "types/types_int.h"

enum { ORDERED_MAX_KEYS = 32 };

struct ordered_key {
    const struct type *type;
    int direction;
};

/* Each row is n_args values, the same in all rows where they are direct arguments, and n_keys by
 * which they are sorted. Without any row nobody knows the arguments: n_args and n_keys are 0. */
struct ordered_rows {
    int n_args, n_keys;
    struct ordered_key keys[ORDERED_MAX_KEYS];
    struct value *rows;
    size_t n;
};

/* Of the keys of two rows */
int types__ordered_compare(const struct ordered_rows *r, const struct value *x,
                           const struct value *y);
