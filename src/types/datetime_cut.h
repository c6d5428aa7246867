/* Texts of dates, times and intervals in pieces: see datetime_cut.c. */
#pragma once

#include "types/types_int.h"

/* MAX_BYTES: what PostgreSQL has room for, with a 0 behind each piece; of a timestamp, of a date or
 * a time, of an interval. */
enum { MAX_PIECES = 25, MAX_BYTES_TIMESTAMP = 153, MAX_BYTES_DATE = 129, MAX_BYTES = 256 };
enum piece_kind { PIECE_NUMBER, PIECE_DATE, PIECE_CLOCK, PIECE_OFFSET, PIECE_WORD };

struct piece {
    enum piece_kind kind;
    char *text; /* in small letters, with a 0 at its end */
};

struct pieces {
    int n;
    struct piece all[MAX_PIECES];
    size_t used, room;
    char bytes[MAX_BYTES];
};

/* False: nothing that a date, a time or an interval could be, or more than `room` bytes of it. */
bool types__cut(const char *s, size_t n, size_t room, struct pieces *ret);

enum word_kind {
    WORD_MONTH,
    WORD_WEEKDAY,
    WORD_HALF,
    WORD_ERA,
    WORD_DAY,
    WORD_NOW,
    WORD_VALUE,
    WORD_MIDNIGHT,
    WORD_SUMMER,
    WORD_LABEL,
    WORD_FILLER,
};
enum half { HALF_NONE, HALF_AM, HALF_PM };
enum { VALUE_EPOCH, VALUE_LATE, VALUE_EARLY };
/* A word that says what the next piece is. */
enum label {
    LABEL_NONE,
    LABEL_JULIAN,
    LABEL_TIME,
    LABEL_YEAR,
    LABEL_MONTH,
    LABEL_DAY,
    LABEL_HOUR,
    LABEL_MINUTE,
    LABEL_SECOND,
    LABEL_OTHER, /* nothing can follow it */
};

struct word {
    const char *name;
    enum word_kind kind;
    int value;
};

/* A word of dates and times; NULL: it is none. */
const struct word *types__date_word(const char *text);
