/*
 * to_number(): reads a number by a format, as to_char() (format_number.c) writes it.
 *
 * The format says where digits may be and how many; it does not insist: a blank where a digit may
 * be is passed over, a comma that is not there isn't missed. What stands for itself in the format
 * skips one character, whichever it is.
 */
#include "types/format.h"
#include "types/numeric.h"

#include <ctype.h>
#include <string.h>

struct scan {
    const struct number_format *f;
    const char *p, *end;
    char sign; /* ' ': none was read yet */
    int whole, fraction;
    bool point;
    struct buf digits;
};

static char peek(const struct scan *s)
{
    return s->p < s->end ? *s->p : 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip(struct scan *s)
{
    uint32_t c;
    if (s->p < s->end)
        s->p += types__utf8_decode(s->p, (size_t)(s->end - s->p), &c);
}

/* The place of a sign or an ordinal's letters takes what can't be a part of the number. */
static void skip_no_number(struct scan *s, int n)
{
    while (n-- > 0 && s->p < s->end && !strchr("0123456789.,+-", *s->p))
        skip(s);
}

static void read_first_sign(struct scan *s)
{
    char c = peek(s);
    if (c == '-' || (c == '<' && s->f->brackets))
        s->sign = '-';
    else if (c == '+')
        s->sign = '+';
    else
        return;
    s->p++;
}

/* A sign behind the digits: where S says so, or earlier than MI, PL or SG. */
static void read_last_sign(struct scan *s, bool took)
{
    const char *at = s->p + took;
    bool mentioned = s->f->sign != SIGN_NOWHERE;
    if (mentioned ? !took || at >= s->end : took || !(s->f->plus || s->f->minus))
        return;
    if (at < s->end && (*at == '-' || *at == '+')) {
        s->sign = *at;
        s->p += mentioned;
    }
}

/* Reads what is for one slot, or nothing. Behind, s->p is on its last character. */
static void read_slot(struct scan *s, enum number_pattern p)
{
    bool took = false;
    if (peek(s) == ' ')
        s->p++;
    if (s->p >= s->end)
        return;
    if (s->sign == ' ' && p != PATTERN_POINT && s->whole + s->fraction == 0)
        read_first_sign(s);
    if (s->p >= s->end)
        return;
    if (is_digit(*s->p)) {
        if (s->point && s->fraction == s->f->fraction)
            return;
        buf_append(&s->digits, s->p, 1);
        *(s->point ? &s->fraction : &s->whole) += 1;
        took = true;
    } else if (s->f->point && !s->point && *s->p == '.') {
        buf_puts(&s->digits, ".");
        s->point = took = true;
    }
    if (s->sign == ' ' && s->whole + s->fraction > 0)
        read_last_sign(s, took);
}

static void read_item(struct scan *s, const struct number_item *item)
{
    switch (item->pattern) {
    case PATTERN_LITERAL:
        for (size_t n = types__utf8_length(item->text, item->n); n; n--)
            skip(s);
        return;
    case PATTERN_NINE:
    case PATTERN_ZERO:
    case PATTERN_POINT:
        read_slot(s, item->pattern);
        if (s->p < s->end)
            s->p++;
        return;
    case PATTERN_COMMA:
        if (peek(s) == ',' && !s->f->fill_mode)
            s->p++;
        return;
    case PATTERN_CURRENCY:
        skip_no_number(s, 1);
        return;
    case PATTERN_ORDINAL:
        if (!s->f->point)
            skip_no_number(s, 2);
        return;
    case PATTERN_MINUS:
        if (peek(s) == '-') {
            s->sign = '-';
            s->p++;
        } else {
            skip_no_number(s, 1);
        }
        return;
    case PATTERN_PLUS:
        if (peek(s) == '+') {
            s->sign = '+';
            s->p++;
        } else {
            skip_no_number(s, 1);
        }
        return;
    case PATTERN_SIGN:
        if (peek(s) == '-' || peek(s) == '+')
            s->sign = *s->p++;
        else
            skip_no_number(s, 1);
        return;
    default:
        return;
    }
}

/* Digits behind V are a fraction: the number times a power of ten with PostgreSQL's scale for it.
 */
static struct error *unscale(int shift, struct arena *a, struct value *ret)
{
    struct num x, power;
    TRY(num_read(ret->s.p, ret->s.n, &x));
    num_of_int(1, &power);
    power.scale = shift;
    num_rescale(&power, NUM_MIN_SIGNIFICANT);
    num_mul(&x, &power);
    num_done(&power);
    return num_finish(&x, a, ret);
}

static struct error *finish(struct scan *s, struct arena *a, struct value *ret)
{
    _cleanup_(buf_done) struct buf text = {0};
    buf_append(&text, &s->sign, 1);
    buf_append(&text, s->digits.data, s->digits.len);
    if (text.data[text.len - 1] == '.')
        text.len--;
    if (s->whole + s->fraction == 0)
        return error_new(E_BAD_TEXT, "invalid input syntax for type numeric: \"%.*s\"",
                         (int)text.len, text.data);
    int precision = s->f->whole + s->fraction;
    TRY(types__numeric_parse(text.data, text.len, ((precision << 16) | s->fraction) + 4, a, ret));
    return s->f->scaled ? unscale(s->f->shift, a, ret) : NULL;
}

static CALL(to_number)
{
    struct number_format f;
    *ret = (struct value){.kind = VALUE_NULL};
    if (v[1].s.n == 0)
        return NULL;
    TRY(types__number_format(&v[1], a, &f));
    if (f.roman)
        return error_new(E_UNSUPPORTED, "\"RN\" not supported for input");
    if (f.exponent)
        return error_new(E_UNSUPPORTED, "\"EEEE\" not supported for input");
    struct scan s = {.f = &f, .p = v[0].s.p, .end = v[0].s.p + v[0].s.n, .sign = ' '};
    for (size_t i = 0; i < f.n && s.p < s.end; i++)
        read_item(&s, &f.items[i]);
    struct error *e = finish(&s, a, ret);
    buf_done(&s.digits);
    return e;
}

static const struct func rows[] = {
    SCALAR2("to_number", OID_TEXT, OID_TEXT, OID_NUMERIC, "to_number", to_number),
};

const struct func_rows types__scan_number_funcs = {rows, ARRAY_LEN(rows)};
