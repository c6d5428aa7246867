/* Time zones: see zone.c. Private to the files of dates and times; the public part is in types.h.
 */
#pragma once

#include "types/types_int.h"

/* Both take microseconds since 2000-01-01 and leave infinity as it is. What comes out may lie
 * beyond what a timestamp can hold: types__timestamp_valid(). */
int64_t types__local_of(const struct zone *z, int64_t utc);
/* A local time that a zone skips is read as if it had not been put forward yet; of two that are
 * told by the same clock, the later one is meant (as PostgreSQL does). */
int64_t types__utc_of(const struct zone *z, int64_t local);
/* Seconds east of Greenwich at a moment. */
int32_t types__zone_offset(const struct zone *z, int64_t utc);
/* As on a clock there: "CET", "CEST", "+03"; into `out`. */
void types__zone_abbreviation(const struct zone *z, int64_t utc, struct buf *out);
const struct zone *types__zone(void); /* the calling thread's; NULL: UTC */
const struct style *types__style(void);
int64_t types__text_now(void); /* what 'now' and 'today' go by */
