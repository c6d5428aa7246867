/*
 * How a session reads and prints values: its time zone, DateStyle, IntervalStyle, bytea_output and
 * extra_float_digits, of the thread that works for it. What is stored hangs on none of them.
 */
#include "types/zone.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct style plain;
static _Thread_local const struct style *current = &plain;

const struct style *style_use(const struct style *s)
{
    const struct style *before = current;
    current = s ? s : &plain;
    return before;
}

int64_t style_now(void)
{
    return current->now;
}

const struct zone *types__zone(void)
{
    return current->zone;
}

int64_t types__text_now(void)
{
    return current->now ? current->now : types_now();
}

const struct style *types__style(void)
{
    return current;
}

/* ---- DateStyle --------------------------------------------------------------------------------
 */

static const struct {
    const char *word;
    size_t n; /* characters that count */
    bool order;
    uint8_t value;
} words[] = {
    {"iso", 4, false, DATES_ISO},
    {"sql", 4, false, DATES_SQL},
    {"postgres", 8, false, DATES_POSTGRES},
    {"german", 7, false, DATES_GERMAN},
    {"ymd", 4, true, ORDER_YMD},
    {"dmy", 4, true, ORDER_DMY},
    {"euro", 4, true, ORDER_DMY},
    {"mdy", 4, true, ORDER_MDY},
    {"us", 2, true, ORDER_MDY},
    {"noneuro", 7, true, ORDER_MDY},
};

struct chosen {
    struct style style;
    bool dates, order, conflict;
};

static void choose(struct chosen *c, bool order, uint8_t value)
{
    uint8_t *field = order ? &c->style.order : &c->style.dates;
    bool *set = order ? &c->order : &c->dates;
    c->conflict |= *set && *field != value;
    *set = true;
    *field = value;
}

static bool choose_word(struct chosen *c, const char *word)
{
    if (strcasecmp(word, "default") == 0) {
        c->style.dates = c->dates ? c->style.dates : (uint8_t)DATES_ISO;
        c->style.order = c->order ? c->style.order : (uint8_t)ORDER_MDY;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strncasecmp(word, words[i].word, words[i].n) != 0)
            continue;
        choose(c, words[i].order, words[i].value);
        if (!words[i].order && words[i].value == DATES_GERMAN && !c->order)
            c->style.order = ORDER_DMY;
        return true;
    }
    return false;
}

const char *style_set_dates(struct style *s, const char *text, struct arena *a)
{
    struct chosen c = {.style = *s};
    const char *p = text;
    while (isspace((unsigned char)*p))
        p++;
    while (*p) {
        size_t n = strcspn(p, ", \t\n");
        const char *word = arena_strndup(a, p, n);
        p += n + strspn(p + n, " \t\n");
        bool more = *p == ',';
        p += more;
        p += strspn(p, " \t\n");
        if (n == 0 || (*p && !more) || (more && !*p))
            return "List syntax is invalid.";
        if (!choose_word(&c, word))
            return arena_printf(a, "Unrecognized key word: \"%s\".", word);
    }
    if (c.conflict)
        return "Conflicting \"datestyle\" specifications.";
    *s = c.style;
    return NULL;
}

void style_print_dates(const struct style *s, struct buf *out)
{
    static const char *const dates[] = {"ISO", "SQL", "Postgres", "German"};
    static const char *const orders[] = {"MDY", "DMY", "YMD"};
    buf_printf(out, "%s, %s", dates[s->dates], orders[s->order]);
}

/* ---- IntervalStyle ------------------------------------------------------------------------------
 */

bool style_set_intervals(struct style *s, const char *text)
{
    static const char *const names[] = {"postgres", "postgres_verbose", "sql_standard", "iso_8601"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcasecmp(names[i], text) != 0)
            continue;
        s->intervals = (uint8_t)i;
        return true;
    }
    return false;
}

/* ---- floats -------------------------------------------------------------------------------------
 */

enum { MOST_LESS_DIGITS = 16 };

void style_set_float_digits(struct style *s, int extra)
{
    s->less_digits = (uint8_t)(extra > 0 ? 0 : MIN(1 - extra, MOST_LESS_DIGITS));
}

/* ---- as a word: a digit for each, a letter for floats -------------------------------------------
 */

const char *style_word(const struct style *s, struct arena *a)
{
    if (!s->dates && !s->order && !s->intervals && !s->escape && !s->less_digits)
        return "";
    return arena_printf(a, "%d%d%d%d%c", s->dates, s->order, s->intervals, s->escape,
                        'a' + s->less_digits);
}

void style_read_word(struct style *s, const char *word)
{
    if (strlen(word) != 5 || strspn(word, "0123") != 4 || word[1] > '2' || word[3] > '1' ||
        word[4] < 'a' || word[4] > 'a' + MOST_LESS_DIGITS)
        return;
    s->dates = (uint8_t)(word[0] - '0');
    s->order = (uint8_t)(word[1] - '0');
    s->intervals = (uint8_t)(word[2] - '0');
    s->escape = word[3] == '1';
    s->less_digits = (uint8_t)(word[4] - 'a');
}
