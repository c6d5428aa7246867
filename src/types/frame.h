/* RANGE frames with offsets: in_range.c tells where one ends, frame.c runs it. Private to them. */
#pragma once

#include "types/ordered.h"

/* Where a frame of the current row begins or ends: at a value of the key's type. */
struct range_bound {
    bool everything;         /* all values but NaN are within */
    int side;                /* -1: below all values, 1: above them, 0: */
    const struct type *type; /* of the value, and what keys become for being compared with it */
    struct value at;
};
/* key - offset, or key + offset; neither is NULL. 22013 for a negative offset. */
struct error *types__range_bound(uint32_t key_type, const struct value *key,
                                 const struct value *offset, bool minus, struct arena *a,
                                 struct range_bound *ret);
/* Is the key at or below it (`less`), or at or above it? */
struct error *types__in_range(uint32_t key_type, const struct value *key,
                              const struct range_bound *b, bool less, struct arena *a, bool *ret);
