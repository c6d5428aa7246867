/* to_char() and its family: format_time.c, format_number.c. Private to them. */
#pragma once

#include "types/types_int.h"

/* "st", "nd", "rd" or "th" for the number that stands at the end of `out` */
void types__format_ordinal(struct buf *out, bool upper);
