/*
 * to_char() of numbers.
 *
 * A format is compiled into items: digits (9, 0), the point, commas, signs, and text that stands
 * for itself. Digits and the point are the slots of a number; it is laid into them from the right,
 * so that its last digit before the point comes into the last slot before the point:
 *
 *     9,990.99   of 12.5     |_|_|1|2|.|5|0|     `lead` is 2: slots that the number leaves empty
 *
 * Empty slots are blanks, or zeros from the first 0 on; with FM, they and the zeros at the end of
 * the fraction are left out. The sign comes before the first slot that is not empty, unless
 * a pattern says another place. A number with too many digits is a row of #.
 */
#include "types/format.h"
#include "types/numeric.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* ---- compiling --------------------------------------------------------------------------------
 */

static struct error *wrong(const char *message)
{
    return error_new("42601", "%s", message);
}

static struct error *add_digit(struct number_format *f, bool zero)
{
    if (f->brackets)
        return wrong(zero ? "\"0\" must be ahead of \"PR\"" : "\"9\" must be ahead of \"PR\"");
    if (zero && !f->point && f->first_zero < 0)
        f->first_zero = f->whole;
    if (f->scaled && !zero)
        f->shift++;
    else if (f->point)
        f->fraction++;
    else
        f->whole++;
    if (zero)
        f->end_zero = f->whole + f->fraction;
    return NULL;
}

static struct error *add_point(struct number_format *f)
{
    if (f->point)
        return wrong("multiple decimal points");
    if (f->scaled)
        return wrong("cannot use \"V\" and decimal point together");
    f->point = true;
    return NULL;
}

static struct error *add_scale(struct number_format *f)
{
    if (f->point)
        return wrong("cannot use \"V\" and decimal point together");
    f->scaled = true;
    return NULL;
}

static struct error *add_sign(struct number_format *f)
{
    if (f->sign != SIGN_NOWHERE)
        return wrong("cannot use \"S\" twice");
    if (f->plus || f->minus || f->brackets)
        return wrong("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together");
    f->sign = f->point ? SIGN_BEHIND : SIGN_BEFORE;
    f->sign_at = f->whole;
    return NULL;
}

static struct error *add_minus_or_plus(struct number_format *f, bool minus, bool plus)
{
    if (f->sign != SIGN_NOWHERE)
        return wrong(minus && plus ? "cannot use \"S\" and \"SG\" together"
                     : minus       ? "cannot use \"S\" and \"MI\" together"
                                   : "cannot use \"S\" and \"PL\" together");
    f->minus |= minus;
    f->plus |= plus;
    return NULL;
}

static struct error *add_brackets(struct number_format *f)
{
    if (f->sign != SIGN_NOWHERE || f->plus || f->minus)
        return wrong("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together");
    f->brackets = true;
    return NULL;
}

static struct error *add_exponent(struct number_format *f)
{
    if (f->exponent)
        return wrong("cannot use \"EEEE\" twice");
    if (f->blank || f->fill_mode || f->sign != SIGN_NOWHERE || f->brackets || f->minus || f->plus ||
        f->roman || f->scaled)
        return error_detail(wrong("\"EEEE\" is incompatible with other formats"),
                            "\"EEEE\" may only be used together with digit and decimal point "
                            "patterns.");
    f->exponent = true;
    return NULL;
}

enum word {
    NINE,
    ZERO,
    POINT,
    COMMA,
    BLANK,
    EXPONENT,
    FILL,
    CURRENCY,
    MINUS,
    PLUS,
    BRACKETS,
    ROMAN,
    SIGN,
    EITHER_SIGN,
    ORDINAL,
    SCALE
};

/* A longer word before one that begins it; all in capitals or all in small letters. */
static const struct {
    const char *upper, *lower;
    enum word word;
    enum number_pattern pattern;
} words[] = {
    {"9", "9", NINE, PATTERN_NINE},
    {"0", "0", ZERO, PATTERN_ZERO},
    {".", ".", POINT, PATTERN_POINT},
    {"D", "d", POINT, PATTERN_POINT},
    {",", ",", COMMA, PATTERN_COMMA},
    {"G", "g", COMMA, PATTERN_COMMA},
    {"B", "b", BLANK, PATTERN_SILENT},
    {"C", "c", COMMA, PATTERN_SILENT},
    {"EEEE", "eeee", EXPONENT, PATTERN_SILENT},
    {"FM", "fm", FILL, PATTERN_SILENT},
    {"L", "l", CURRENCY, PATTERN_CURRENCY},
    {"MI", "mi", MINUS, PATTERN_MINUS},
    {"PL", "pl", PLUS, PATTERN_PLUS},
    {"PR", "pr", BRACKETS, PATTERN_SILENT},
    {"RN", "rn", ROMAN, PATTERN_ROMAN},
    {"SG", "sg", EITHER_SIGN, PATTERN_SIGN},
    {"SP", "sp", COMMA, PATTERN_SILENT},
    {"S", "s", SIGN, PATTERN_SILENT},
    {"TH", "th", ORDINAL, PATTERN_ORDINAL},
    {"V", "v", SCALE, PATTERN_SILENT},
};

static struct error *add_word(struct number_format *f, enum word w)
{
    if (f->exponent && w != EXPONENT)
        return wrong("\"EEEE\" must be the last pattern used");
    switch (w) {
    case NINE:
    case ZERO:
        return add_digit(f, w == ZERO);
    case POINT:
        return add_point(f);
    case BLANK:
        f->blank |= !f->whole && !f->fraction && f->first_zero < 0;
        return NULL;
    case EXPONENT:
        return add_exponent(f);
    case FILL:
        f->fill_mode = true;
        return NULL;
    case MINUS:
    case PLUS:
    case EITHER_SIGN:
        return add_minus_or_plus(f, w != PLUS, w != MINUS);
    case BRACKETS:
        return add_brackets(f);
    case ROMAN:
        f->roman = true;
        return NULL;
    case SIGN:
        return add_sign(f);
    case SCALE:
        return add_scale(f);
    default:
        return NULL;
    }
}

/* Takes a word at *s; false: there is none. */
static bool take_word(const char **s, const char *end, struct number_item *ret, enum word *ret_word)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t n = strlen(words[i].upper);
        if ((size_t)(end - *s) < n)
            continue;
        bool upper = memcmp(*s, words[i].upper, n) == 0;
        if (!upper && memcmp(*s, words[i].lower, n) != 0)
            continue;
        *s += n;
        *ret = (struct number_item){.pattern = words[i].pattern, .upper = upper};
        *ret_word = words[i].word;
        return true;
    }
    return false;
}

struct error *types__number_format(const struct value *format, struct arena *a,
                                   struct number_format *ret)
{
    const char *s = format->s.p, *end = s + format->s.n;
    struct number_format f = {.first_zero = -1};
    if (format->s.n > FORMAT_MAX_BYTES)
        return error_new("54000", "a format of more than %d bytes", FORMAT_MAX_BYTES);
    f.items = arena_alloc(a, MAX(format->s.n, 1) * sizeof(*f.items));
    while (s < end) {
        enum word w;
        struct number_item *item = &f.items[f.n++];
        if (take_word(&s, end, item, &w)) {
            TRY(add_word(&f, w));
            continue;
        }
        _cleanup_(buf_done) struct buf text = {0};
        s = types__format_literal(s, end, &text);
        *item = (struct number_item){.text = arena_strndup(a, text.data ? text.data : "", text.len),
                                     .n = text.len};
    }
    f.whole += f.shift;
    if (f.sign == SIGN_BEFORE && f.sign_at == f.whole)
        f.sign = SIGN_BEHIND;
    *ret = f;
    return NULL;
}

/* ---- laying a number into the slots ------------------------------------------------------------
 */

struct layout {
    const struct number_format *f;
    struct buf *out;
    bool negative;
    const char *text; /* digits, perhaps a point and digits; or # */
    int n, at;        /* its length; what comes next */
    int lead;         /* slots that it leaves empty */
    int fraction; /* digits behind the point: fewer than the format's where a float has no more */
    int kept;     /* with FM, the last character that shows; -1: all do */
    int slot, last_slot; /* behind the last one the sign may come, or a bracket */
    bool signed_;        /* the sign was put, or needs not to be */
    bool brackets;
    bool digits; /* the last slot put a digit */
    bool ended;
};

static void put(struct layout *l, char c)
{
    buf_append(l->out, &c, 1);
}

/* Zeros at the end of a fraction go with FM, but for those in slots up to the last 0. */
static int last_kept(const struct layout *l)
{
    const char *point = memchr(l->text, '.', (size_t)l->n);
    if (!l->f->fill_mode || !point)
        return -1;
    int last = l->n - 1, first = (int)(point - l->text);
    while (last > first && l->text[last] == '0')
        last--;
    if (l->f->end_zero > l->lead)
        last = MAX(last, MIN(l->n - 1, l->f->end_zero - l->lead));
    return last;
}

static void put_sign_before(struct layout *l)
{
    if (l->f->sign != SIGN_NOWHERE) {
        if (l->f->sign == SIGN_BEHIND)
            return;
        put(l, l->negative ? '-' : '+');
    } else if (l->brackets) {
        put(l, l->negative ? '<' : ' ');
    } else if (l->negative) {
        put(l, '-');
    } else if (!l->f->fill_mode) {
        put(l, ' ');
    }
    l->signed_ = true;
}

static void put_sign_behind(struct layout *l)
{
    if (l->signed_ && l->brackets)
        put(l, l->negative ? '>' : ' ');
    else if (l->f->sign == SIGN_BEHIND)
        put(l, l->negative ? '-' : '+');
}

/* What the number has for a slot. Where it has nothing any more, PostgreSQL's result ends. */
static void put_digit(struct layout *l, bool zero, bool lone_zero)
{
    bool whole_only = l->kept >= 0 && l->text[l->kept] == '.';
    if (l->at >= l->n) {
        if (l->kept < 0 || l->at <= l->kept || zero)
            l->ended = true;
        return;
    }
    if (l->text[l->at] == '.') {
        put(l, '.');
    } else if (l->kept >= 0 && l->at > l->kept && !zero) {
        /* left out */
    } else if (lone_zero) {
        if (!l->f->fill_mode)
            put(l, ' ');
        else if (whole_only)
            put(l, '0');
    } else {
        put(l, l->text[l->at]);
        l->digits = true;
    }
    l->at++;
}

static void put_slot(struct layout *l, enum number_pattern p)
{
    const struct number_format *f = l->f;
    bool zeros = f->first_zero >= 0, empty = l->slot < l->lead;
    /* 0.5 in 9.9 is .5 */
    bool lone_zero = !zeros && l->at == 0 && l->n && l->text[0] == '0' && l->fraction;
    bool whole_only = l->kept >= 0 && l->text[l->kept] == '.';
    l->digits = false;
    if (f->roman)
        return;
    if (!l->signed_ && (!empty || (zeros && f->first_zero == l->slot)) &&
        (!lone_zero || whole_only))
        put_sign_before(l);
    if (empty && zeros && l->slot >= f->first_zero) {
        put(l, '0');
        l->digits = true;
    } else if (!empty) {
        put_digit(l, p == PATTERN_ZERO, lone_zero);
    } else if (!f->fill_mode) {
        put(l, ' ');
    }
    l->slot++;
    if (!l->ended && l->slot == l->last_slot)
        put_sign_behind(l);
}

static void put_roman(struct layout *l, bool upper)
{
    if (!l->f->fill_mode)
        for (int i = l->n; i < 15; i++)
            put(l, ' ');
    for (int i = 0; i < l->n; i++)
        put(l, (char)(upper ? l->text[i] : tolower((unsigned char)l->text[i])));
}

static struct error *put_ordinal(struct layout *l, bool upper)
{
    if (l->f->roman || l->f->point || l->negative || l->text[0] == '#')
        return NULL;
    if (!isdigit((unsigned char)l->text[l->n - 1]))
        return error_new(E_BAD_TEXT, "\"%s\" is not a number", l->text);
    _cleanup_(buf_done) struct buf number = {0};
    buf_append(&number, l->text, (size_t)l->n);
    types__format_ordinal(&number, upper);
    buf_append(l->out, number.data + l->n, number.len - (size_t)l->n);
    return NULL;
}

static struct error *put_item(struct layout *l, const struct number_item *item)
{
    bool fill = l->f->fill_mode, plus;
    switch (item->pattern) {
    case PATTERN_LITERAL:
        buf_append(l->out, item->text, item->n);
        break;
    case PATTERN_NINE:
    case PATTERN_ZERO:
    case PATTERN_POINT:
        put_slot(l, item->pattern);
        break;
    case PATTERN_COMMA:
        if (l->digits || !fill)
            put(l, l->digits ? ',' : ' ');
        break;
    case PATTERN_CURRENCY:
        put(l, ' ');
        break;
    case PATTERN_MINUS:
        if (l->negative || !fill)
            put(l, l->negative ? '-' : ' ');
        break;
    case PATTERN_PLUS:
        plus = !l->negative && !l->f->roman;
        if (plus || !fill)
            put(l, plus ? '+' : ' ');
        break;
    case PATTERN_SIGN:
        if (!l->f->roman)
            put(l, l->negative ? '-' : '+');
        l->ended = l->f->roman; /* as do slots that have nothing to put */
        break;
    case PATTERN_ORDINAL:
        return put_ordinal(l, item->upper);
    case PATTERN_ROMAN:
        put_roman(l, item->upper);
        break;
    case PATTERN_SILENT:
        break;
    }
    return NULL;
}

/* ---- the numbers: their digits as text ----------------------------------------------------------
 */

struct digits {
    bool negative;
    int fraction;
    struct buf text; /* without a sign */
};

static void digits_done(struct digits *d)
{
    buf_done(&d->text);
}

static void set_text(struct digits *d, const char *signed_text)
{
    d->negative = *signed_text == '-';
    buf_puts(&d->text, signed_text + (*signed_text == '-' || *signed_text == '+'));
}

static struct error *lay_out(const struct number_format *f, const struct digits *d, struct buf *out)
{
    struct layout l = {.f = f,
                       .out = out,
                       .negative = d->negative,
                       .fraction = d->fraction,
                       .text = d->text.data ? d->text.data : "",
                       .n = (int)d->text.len};
    _cleanup_(buf_done) struct buf hashes = {0};
    const char *point = memchr(l.text, '.', (size_t)l.n);
    int whole = point ? (int)(point - l.text) : l.n;
    if (whole > f->whole && !f->roman) {
        for (int i = 0; i <= f->whole + d->fraction; i++)
            buf_puts(&hashes, i == f->whole ? "." : "#");
        l.text = hashes.data;
        l.n = (int)hashes.len;
    } else if (!f->roman) {
        l.lead = f->whole - whole;
    }
    l.kept = last_kept(&l);
    l.brackets = f->brackets && (l.negative || !f->fill_mode);
    l.signed_ = f->minus || f->roman ||
                (!f->plus && !l.negative && f->fill_mode && f->sign == SIGN_NOWHERE);
    l.last_slot = f->whole + l.fraction + f->point - (l.signed_ && !l.lead);
    for (size_t i = 0; i < f->n && !l.ended; i++)
        TRY(put_item(&l, &f->items[i]));
    return NULL;
}

static void roman_of(int64_t i, struct digits *d)
{
    static const struct {
        int value;
        const char *text;
    } steps[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"},
                 {90, "XC"},  {50, "L"},   {40, "XL"}, {10, "X"},   {9, "IX"},
                 {5, "V"},    {4, "IV"},   {1, "I"}};
    if (i < 1 || i > 3999) {
        buf_puts(&d->text, "###############");
        return;
    }
    for (size_t k = 0; k < ARRAY_LEN(steps); k++)
        for (; i >= steps[k].value; i -= steps[k].value)
            buf_puts(&d->text, steps[k].text);
}

static struct error *finish(const struct number_format *f, const struct digits *d, struct arena *a,
                            struct value *ret)
{
    _cleanup_(buf_done) struct buf out = {0};
    if (f->exponent) {
        buf_puts(&out, d->negative ? "-" : " ");
        buf_append(&out, d->text.data, d->text.len);
    } else {
        TRY(lay_out(f, d, &out));
    }
    *ret = types__text_of(a, &out);
    return NULL;
}

/* Of what is not finite; as nothing that is too long would */
static void put_no_exponent(const struct number_format *f, struct digits *d)
{
    for (int i = 0; i < f->whole + f->fraction + 5; i++)
        buf_puts(&d->text, i == f->whole ? "." : "#");
}

/* ---- of each type -------------------------------------------------------------------------------
 */

static struct error *scaled_int(int64_t i, int shift, int size, int64_t *ret)
{
    int64_t power = 1;
    for (int k = 0; k < shift; k++)
        if (__builtin_mul_overflow(power, 10, &power))
            return types__int_range(INT64_MAX, 4, &power);
    if (size == 4)
        TRY(types__int_range(power, 4, &power));
    if (__builtin_mul_overflow(i, power, ret))
        return error_new(E_OUT_OF_RANGE,
                         size == 4 ? "integer out of range" : "bigint out of range");
    return types__int_range(*ret, size, ret);
}

/* 12345 -> 1.23e+04. 9.99 may become 10.0, as in PostgreSQL. */
static void put_scientific(struct num *x, int fraction, struct digits *d)
{
    int exponent = num_exponent(x);
    _cleanup_(buf_done) struct buf text = {0};
    x->scale += exponent;
    num_rescale(x, fraction);
    num_print(x, &text);
    buf_printf(&text, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
    set_text(d, text.data);
}

static struct error *int_to_char(const struct value *v, int size, struct arena *a,
                                 struct value *ret)
{
    struct number_format f;
    TRY(types__number_format(&v[1], a, &f));
    _cleanup_(digits_done) struct digits d = {.fraction = f.fraction};
    int64_t i = v[0].i;
    if (f.roman) {
        TRY(types__int_range(i, 4, &i));
        roman_of(i, &d);
    } else if (f.exponent) {
        struct num x;
        num_of_int(i, &x);
        if (size == 8)
            put_scientific(&x, f.fraction, &d);
        else
            set_text(&d, arena_printf(a, "%.*e", f.fraction, (double)i));
        num_done(&x);
    } else {
        if (f.scaled)
            TRY(scaled_int(i, f.shift, size, &i));
        set_text(&d, arena_printf(a, "%lld", (long long)i));
        if (f.fraction)
            buf_printf(&d.text, ".%0*d", f.fraction, 0);
    }
    return finish(&f, &d, a, ret);
}

static CALL(int4_to_char)
{
    return int_to_char(v, 4, a, ret);
}

static CALL(int8_to_char)
{
    return int_to_char(v, 8, a, ret);
}

/* A float has that many digits that mean something: fewer of the fraction show. */
static void set_float(struct digits *d, double x, int precision, int fraction, struct arena *a)
{
    const char *infinite = x < 0 ? "-Infinity" : "Infinity";
    const char *special = isnan(x) ? "NaN" : isinf(x) ? infinite : NULL;
    int whole = (int)strlen(special ? special : arena_printf(a, "%.0f", fabs(x))) -
                (special && *special == '-');
    d->fraction = whole >= precision ? 0 : MIN(fraction, precision - whole);
    set_text(d, special ? special : arena_printf(a, "%.*f", d->fraction, x));
}

static struct error *float_to_char(const struct value *v, bool single, struct arena *a,
                                   struct value *ret)
{
    struct number_format f;
    TRY(types__number_format(&v[1], a, &f));
    _cleanup_(digits_done) struct digits d = {.fraction = f.fraction};
    double x = v[0].r;
    if (f.roman) {
        double rounded = rint(x);
        roman_of(rounded >= 1 && rounded <= 3999 ? (int64_t)rounded : 0, &d);
    } else if (f.exponent && isfinite(x)) {
        set_text(&d, arena_printf(a, "%.*e", f.fraction, x));
    } else if (f.exponent) {
        put_no_exponent(&f, &d);
    } else {
        if (f.scaled)
            x = single ? (double)((float)x * (float)pow(10, f.shift)) : x * pow(10, f.shift);
        set_float(&d, x, single ? 6 : 15, f.fraction, a);
    }
    return finish(&f, &d, a, ret);
}

static CALL(float4_to_char)
{
    return float_to_char(v, true, a, ret);
}

static CALL(float8_to_char)
{
    return float_to_char(v, false, a, ret);
}

static CALL(numeric_to_char)
{
    struct number_format f;
    TRY(types__number_format(&v[1], a, &f));
    _cleanup_(digits_done) struct digits d = {.fraction = f.fraction};
    if (f.roman) {
        int64_t i;
        TRY(types__numeric_to_int(&v[0], 4, &i));
        roman_of(i, &d);
        return finish(&f, &d, a, ret);
    }
    struct num x;
    TRY(num_read(v[0].s.p, v[0].s.n, &x));
    if (f.exponent && x.kind) {
        put_no_exponent(&f, &d);
    } else if (f.exponent) {
        put_scientific(&x, f.fraction, &d);
    } else {
        _cleanup_(buf_done) struct buf text = {0};
        x.scale -= f.shift;
        num_rescale(&x, f.fraction);
        num_print(&x, &text);
        set_text(&d, text.data);
    }
    num_done(&x);
    return finish(&f, &d, a, ret);
}

static const struct func rows[] = {
    SCALAR2("to_char", OID_INT4, OID_TEXT, OID_TEXT, "int4_to_char", int4_to_char),
    SCALAR2("to_char", OID_INT8, OID_TEXT, OID_TEXT, "int8_to_char", int8_to_char),
    SCALAR2("to_char", OID_FLOAT4, OID_TEXT, OID_TEXT, "float4_to_char", float4_to_char),
    SCALAR2("to_char", OID_FLOAT8, OID_TEXT, OID_TEXT, "float8_to_char", float8_to_char),
    SCALAR2("to_char", OID_NUMERIC, OID_TEXT, OID_TEXT, "numeric_to_char", numeric_to_char),
};

const struct func_rows types__format_number_funcs = {rows, ARRAY_LEN(rows)};
