/*
 * Texts of dates, times and intervals are cut into pieces, each told by how it begins; blanks and
 * other signs stand between them:
 *
 *     number   20240105, 5, 2024.005, .5
 *     date     2024-01-05, 5/1/2024, 5-Jan-2024, jan-5-2024, and names such as america/new_york
 *     clock    10:00, 10:00:00.5
 *     offset   +02, -02:30
 *     word     jan, monday, pm, bc, today, cet, days
 *
 * What they mean is found out in datetime_read.c and interval_io.c. Where a piece ends decides what
 * is accepted, so it is cut exactly as PostgreSQL does: letters that no word of a date are, and
 * that a digit follows, are a date ("day04:05" is no interval, "mon04:05" is).
 */
#include "types/datetime_cut.h"

#include <ctype.h>

static const struct word words[] = {
    {"jan", WORD_MONTH, 1},
    {"january", WORD_MONTH, 1},
    {"feb", WORD_MONTH, 2},
    {"february", WORD_MONTH, 2},
    {"mar", WORD_MONTH, 3},
    {"march", WORD_MONTH, 3},
    {"apr", WORD_MONTH, 4},
    {"april", WORD_MONTH, 4},
    {"may", WORD_MONTH, 5},
    {"jun", WORD_MONTH, 6},
    {"june", WORD_MONTH, 6},
    {"jul", WORD_MONTH, 7},
    {"july", WORD_MONTH, 7},
    {"aug", WORD_MONTH, 8},
    {"august", WORD_MONTH, 8},
    {"sep", WORD_MONTH, 9},
    {"sept", WORD_MONTH, 9},
    {"september", WORD_MONTH, 9},
    {"oct", WORD_MONTH, 10},
    {"october", WORD_MONTH, 10},
    {"nov", WORD_MONTH, 11},
    {"november", WORD_MONTH, 11},
    {"dec", WORD_MONTH, 12},
    {"december", WORD_MONTH, 12},
    {"sun", WORD_WEEKDAY, 0},
    {"sunday", WORD_WEEKDAY, 0},
    {"mon", WORD_WEEKDAY, 1},
    {"monday", WORD_WEEKDAY, 1},
    {"tue", WORD_WEEKDAY, 2},
    {"tues", WORD_WEEKDAY, 2},
    {"tuesday", WORD_WEEKDAY, 2},
    {"wed", WORD_WEEKDAY, 3},
    {"weds", WORD_WEEKDAY, 3},
    {"wednesday", WORD_WEEKDAY, 3},
    {"thu", WORD_WEEKDAY, 4},
    {"thur", WORD_WEEKDAY, 4},
    {"thurs", WORD_WEEKDAY, 4},
    {"thursday", WORD_WEEKDAY, 4},
    {"fri", WORD_WEEKDAY, 5},
    {"friday", WORD_WEEKDAY, 5},
    {"sat", WORD_WEEKDAY, 6},
    {"saturday", WORD_WEEKDAY, 6},
    {"am", WORD_HALF, HALF_AM},
    {"pm", WORD_HALF, HALF_PM},
    {"ad", WORD_ERA, 0},
    {"bc", WORD_ERA, 1},
    {"yesterday", WORD_DAY, -1},
    {"today", WORD_DAY, 0},
    {"tomorrow", WORD_DAY, 1},
    {"now", WORD_NOW, 0},
    {"epoch", WORD_VALUE, VALUE_EPOCH},
    {"infinity", WORD_VALUE, VALUE_LATE},
    {"-infinity", WORD_VALUE, VALUE_EARLY},
    {"allballs", WORD_MIDNIGHT, 0},
    {"dst", WORD_SUMMER, 0},
    {"t", WORD_LABEL, LABEL_TIME},
    {"j", WORD_LABEL, LABEL_JULIAN},
    {"jd", WORD_LABEL, LABEL_JULIAN},
    {"julian", WORD_LABEL, LABEL_JULIAN},
    {"d", WORD_LABEL, LABEL_DAY},
    {"dow", WORD_LABEL, LABEL_OTHER},
    {"doy", WORD_LABEL, LABEL_OTHER},
    {"h", WORD_LABEL, LABEL_HOUR},
    {"isodow", WORD_LABEL, LABEL_OTHER},
    {"isoyear", WORD_LABEL, LABEL_OTHER},
    {"m", WORD_LABEL, LABEL_MONTH},
    {"mm", WORD_LABEL, LABEL_MINUTE},
    {"s", WORD_LABEL, LABEL_SECOND},
    {"y", WORD_LABEL, LABEL_YEAR},
    {"at", WORD_FILLER, 0},
    {"on", WORD_FILLER, 0},
};

const struct word *types__date_word(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i].name, text) == 0)
            return &words[i];
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return isalpha((unsigned char)c) != 0;
}

struct cursor {
    const char *p, *end;
};

static char peek(const struct cursor *c)
{
    return c->p < c->end ? *c->p : 0;
}

/* Appends characters to the piece while they are digits, letters (if wanted) or in `others`. */
static void take(struct cursor *c, struct pieces *ret, bool letters, const char *others)
{
    while (c->p < c->end &&
           (is_digit(*c->p) || (letters && is_letter(*c->p)) || (*c->p && strchr(others, *c->p)))) {
        if (ret->used < ret->room)
            ret->bytes[ret->used] = (char)tolower((unsigned char)*c->p);
        ret->used++;
        c->p++;
    }
}

/* One character, if there is room. */
static void take_sign(struct cursor *c, struct pieces *ret)
{
    if (ret->used < ret->room)
        ret->bytes[ret->used] = *c->p;
    ret->used++;
    c->p++;
}

/* 10:00, 2024-01-05, 5-Jan-2024, 2024.005, 2024 */
static enum piece_kind take_number(struct cursor *c, struct pieces *ret)
{
    take(c, ret, false, "");
    char separator[2] = {peek(c), 0};
    if (separator[0] == ':') {
        take(c, ret, false, ":.");
        return PIECE_CLOCK;
    }
    if (separator[0] != '-' && separator[0] != '/' && separator[0] != '.')
        return PIECE_NUMBER;
    bool digit = c->p + 1 < c->end && is_digit(c->p[1]);
    if (!digit) {
        take(c, ret, true, separator);
        return PIECE_DATE;
    }
    take_sign(c, ret);
    take(c, ret, false, "");
    if (peek(c) == separator[0]) {
        take(c, ret, false, separator);
        return PIECE_DATE;
    }
    return separator[0] == '.' ? PIECE_NUMBER : PIECE_DATE;
}

static void take_letters(struct cursor *c, struct pieces *ret)
{
    while (c->p < c->end && is_letter(*c->p)) {
        if (ret->used < ret->room)
            ret->bytes[ret->used] = (char)tolower((unsigned char)*c->p);
        ret->used++;
        c->p++;
    }
}

static enum piece_kind take_text(struct cursor *c, struct pieces *ret)
{
    size_t from = ret->used;
    take_letters(c, ret);
    char next = peek(c);
    bool more = next == '-' || next == '/' || next == '.';
    if (!more && (next == '+' || is_digit(next)) && ret->used < ret->room) {
        ret->bytes[ret->used] = 0;
        more = !types__date_word(ret->bytes + from); /* "t10" and "j2460000" are two */
    }
    if (!more)
        return PIECE_WORD;
    take(c, ret, true, "+-/_.:");
    return PIECE_DATE;
}

/* +02:30, -infinity; false: neither */
static bool take_signed(struct cursor *c, struct pieces *ret, enum piece_kind *ret_kind)
{
    take_sign(c, ret);
    while (c->p < c->end && isspace((unsigned char)*c->p))
        c->p++;
    *ret_kind = is_digit(peek(c)) ? PIECE_OFFSET : PIECE_WORD;
    if (is_digit(peek(c)))
        take(c, ret, false, ":.-");
    else if (is_letter(peek(c)))
        take_letters(c, ret);
    else
        return false;
    return true;
}

bool types__cut(const char *s, size_t n, size_t room, struct pieces *ret)
{
    struct cursor c = {s, s + n};
    ret->n = 0;
    ret->used = 0;
    ret->room = room;
    while (c.p < c.end) {
        char first = *c.p;
        if (isspace((unsigned char)first)) {
            c.p++;
            continue;
        }
        size_t from = ret->used;
        enum piece_kind kind;
        if (is_digit(first)) {
            kind = take_number(&c, ret);
        } else if (first == '.') {
            take_sign(&c, ret);
            take(&c, ret, false, "");
            kind = PIECE_NUMBER;
        } else if (is_letter(first)) {
            kind = take_text(&c, ret);
        } else if (first == '+' || first == '-') {
            if (!take_signed(&c, ret, &kind))
                return false;
        } else if (ispunct((unsigned char)first)) {
            c.p++;
            continue;
        } else {
            return false;
        }
        if (ret->n == MAX_PIECES || ret->used >= ret->room)
            return false;
        ret->bytes[ret->used++] = 0;
        ret->all[ret->n++] = (struct piece){.kind = kind, .text = ret->bytes + from};
    }
    return true;
}
