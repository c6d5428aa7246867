/*
 * Draws a table the way psql does: aligned (numbers to the right, a `+` where a value goes on in
 * the next line), unaligned, one line per column, CSV, JSON.
 *
 * A value is first broken into lines of known width, with control characters spelled out so that
 * data can't play tricks on a terminal; the layouts only see such lines.
 */
#include "minisql/minisql.h"

#include <ctype.h>

/* ---- width ---------------------------------------------------------------------------------- */

/* Decodes one code point; returns its length, 1 with *ret = 0xfffd for a byte that is not UTF-8. */
static size_t utf8_next(const char *text, size_t len, uint32_t *ret)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
    *ret = 0xfffd;
    if (n == 0 || n > len || p[0] > 0xf4)
        return 1;
    uint32_t c = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 1;
        c = (c << 6) | (p[i] & 0x3fu);
    }
    *ret = c;
    return n;
}

struct range {
    uint32_t first, last;
};

static bool in_ranges(uint32_t c, const struct range *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c >= r[i].first && c <= r[i].last)
            return true;
    return false;
}

/* Unicode's combining marks and East Asian wide blocks, as coarse as a table needs them. */
static size_t code_point_width(uint32_t c)
{
    static const struct range none[] = {{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},
                                        {0x0610, 0x061a}, {0x064b, 0x065f}, {0x1ab0, 0x1aff},
                                        {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x20d0, 0x20ff},
                                        {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}};
    static const struct range wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},
                                        {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
                                        {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
                                        {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
    if (c < 0x300)
        return 1;
    return in_ranges(c, none, ARRAY_LEN(none)) ? 0 : in_ranges(c, wide, ARRAY_LEN(wide)) ? 2 : 1;
}

size_t minisql_text_width(const char *text, size_t len)
{
    size_t width = 0;
    for (size_t i = 0; i < len;) {
        uint32_t c;
        i += utf8_next(text + i, len - i, &c);
        width += code_point_width(c);
    }
    return width;
}

/* ---- lines of a value ------------------------------------------------------------------------ */

struct line {
    size_t start, len, width;
};

struct lines {
    struct buf text;
    struct line *v;
    size_t n, cap;
};

static void lines_done(struct lines *l)
{
    buf_done(&l->text);
    mem_free(l->v);
}

static void end_line(struct lines *l, size_t start, size_t width)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 4;
        l->v = mem_realloc(l->v, l->cap * sizeof(*l->v));
    }
    l->v[l->n++] = (struct line){start, l->text.len - start, width};
}

/* Appends a control character in a form that moves no cursor; returns its width. */
static size_t spell_out(struct lines *l, unsigned char c, size_t column)
{
    size_t before = l->text.len;
    if (c == '\t') {
        size_t n = 8 - column % 8;
        buf_append(&l->text, "        ", n);
        return n;
    }
    if (c == '\r')
        buf_puts(&l->text, "\\r");
    else if (c == '\n')
        buf_puts(&l->text, "\\n");
    else
        buf_printf(&l->text, "\\x%02X", c);
    return l->text.len - before;
}

static void break_lines(struct lines *l, const char *value, bool one_line)
{
    l->n = 0;
    buf_clear(&l->text);
    size_t len = strlen(value), start = 0, width = 0;
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)value[i];
        if (c == '\n' && !one_line) {
            end_line(l, start, width);
            start = l->text.len;
            width = 0;
            i++;
        } else if (c < ' ' || c == 0x7f) {
            width += spell_out(l, c, width);
            i++;
        } else {
            uint32_t code;
            size_t n = utf8_next(value + i, len - i, &code);
            buf_append(&l->text, value + i, n);
            width += code_point_width(code);
            i += n;
        }
    }
    end_line(l, start, width);
}

static size_t widest(const struct lines *l)
{
    size_t w = 0;
    for (size_t i = 0; i < l->n; i++)
        w = MAX(w, l->v[i].width);
    return w;
}

static const char *cell_text(const struct minisql_table *t, const struct minisql_style *style,
                             size_t row, size_t column)
{
    const char *value = t->cell(t, row, column);
    return value ? value : style->null_text ? style->null_text : "";
}

static void pad(FILE *out, size_t n)
{
    for (; n > 0; n--)
        fputc(' ', out);
}

static void rule(FILE *out, size_t n)
{
    for (; n > 0; n--)
        fputc('-', out);
}

static void draw_footer(const struct minisql_table *t, FILE *out)
{
    if (t->footer)
        fputs(t->footer, out);
    else
        fprintf(out, "(%zu row%s)\n", t->rows, t->rows == 1 ? "" : "s");
}

/* ---- aligned --------------------------------------------------------------------------------- */

static void measure(const struct minisql_table *t, const struct minisql_style *style,
                    size_t *widths)
{
    struct lines l = {0};
    for (size_t c = 0; c < t->columns; c++) {
        break_lines(&l, t->names[c], true);
        widths[c] = widest(&l);
    }
    for (size_t r = 0; r < t->rows; r++)
        for (size_t c = 0; c < t->columns; c++) {
            break_lines(&l, cell_text(t, style, r, c), false);
            widths[c] = MAX(widths[c], widest(&l));
        }
    lines_done(&l);
}

static void draw_header(const struct minisql_table *t, const size_t *widths, FILE *out)
{
    struct lines l = {0};
    size_t total = t->columns ? t->columns - 1 : 0;
    for (size_t c = 0; c < t->columns; c++)
        total += widths[c] + 2;
    if (t->title) {
        size_t w = minisql_text_width(t->title, strlen(t->title));
        pad(out, w < total ? (total - w) / 2 : 0);
        fprintf(out, "%s\n", t->title);
    }
    for (size_t c = 0; c < t->columns; c++) {
        break_lines(&l, t->names[c], true);
        size_t space = widths[c] - l.v[0].width;
        fputs(c ? "| " : " ", out);
        pad(out, space / 2);
        fwrite(l.text.data ? l.text.data : "", 1, l.v[0].len, out);
        pad(out, space - space / 2 + 1);
    }
    if (t->columns)
        fputc('\n', out);
    for (size_t c = 0; c < t->columns; c++) {
        if (c)
            fputc('+', out);
        rule(out, widths[c] + 2);
    }
    fputs(t->columns ? "\n" : "--\n", out);
    lines_done(&l);
}

/* Line `i` of one cell, with its margins: " text " or " text+" when more lines follow. */
static void draw_cell_line(const struct lines *l, size_t i, size_t width, bool right, bool last,
                           FILE *out)
{
    bool more = i + 1 < l->n;
    struct line none = {0};
    const struct line *line = i < l->n ? &l->v[i] : &none;
    size_t space = width - line->width;
    fputc(' ', out);
    if (right && (i < l->n || !last))
        pad(out, space);
    if (line->len)
        fwrite(l->text.data + line->start, 1, line->len, out);
    if (!right && (more || !last))
        pad(out, space);
    if (more)
        fputc('+', out);
    else if (!last)
        fputc(' ', out);
}

static void draw_aligned(const struct minisql_table *t, const struct minisql_style *style,
                         FILE *out)
{
    size_t *widths = mem_zalloc(t->columns * sizeof(*widths));
    struct lines *cells = mem_zalloc(t->columns * sizeof(*cells));
    measure(t, style, widths);
    if (!style->tuples_only)
        draw_header(t, widths, out);
    for (size_t r = 0; t->columns && r < t->rows; r++) {
        size_t height = 1;
        for (size_t c = 0; c < t->columns; c++) {
            break_lines(&cells[c], cell_text(t, style, r, c), false);
            height = MAX(height, cells[c].n);
        }
        for (size_t i = 0; i < height; i++) {
            for (size_t c = 0; c < t->columns; c++) {
                if (c)
                    fputc('|', out);
                draw_cell_line(&cells[c], i, widths[c], t->kinds[c] == MINISQL_NUMBER,
                               c + 1 == t->columns, out);
            }
            fputc('\n', out);
        }
    }
    if (!style->tuples_only)
        draw_footer(t, out);
    fputc('\n', out);
    for (size_t c = 0; c < t->columns; c++)
        lines_done(&cells[c]);
    mem_free(cells);
    mem_free(widths);
}

/* ---- a line for each column --------------------------------------------------------------------
 */

/* "-[ RECORD 1 ]--+------": the label lies over a rule that continues the columns' line. */
static void draw_record_rule(size_t record, size_t name_width, size_t value_width, FILE *out)
{
    _cleanup_(buf_done) struct buf label = {0};
    buf_printf(&label, "-[ RECORD %zu ]", record);
    fwrite(label.data, 1, label.len, out);
    for (size_t i = label.len; i < name_width + 3 + value_width; i++)
        fputc(i == name_width + 1 ? '+' : '-', out);
    fputc('\n', out);
}

static void draw_record(const struct minisql_table *t, const struct minisql_style *style,
                        size_t row, size_t name_width, size_t value_width, FILE *out)
{
    struct lines name = {0}, value = {0};
    for (size_t c = 0; c < t->columns; c++) {
        break_lines(&name, t->names[c], true);
        break_lines(&value, cell_text(t, style, row, c), false);
        for (size_t i = 0; i < value.n; i++) {
            bool more = i + 1 < value.n;
            if (i == 0 && name.text.len)
                fwrite(name.text.data, 1, name.text.len, out);
            pad(out, name_width - (i == 0 ? name.v[0].width : 0));
            fputs(" | ", out);
            if (value.v[i].len)
                fwrite(value.text.data + value.v[i].start, 1, value.v[i].len, out);
            if (more) {
                pad(out, value_width - value.v[i].width);
                fputc('+', out);
            }
            fputc('\n', out);
        }
    }
    lines_done(&name);
    lines_done(&value);
}

static void draw_expanded(const struct minisql_table *t, const struct minisql_style *style,
                          FILE *out)
{
    size_t name_width = 0, value_width = 0;
    struct lines l = {0};
    for (size_t c = 0; c < t->columns; c++) {
        break_lines(&l, t->names[c], true);
        name_width = MAX(name_width, l.v[0].width);
        for (size_t r = 0; r < t->rows; r++) {
            break_lines(&l, cell_text(t, style, r, c), false);
            value_width = MAX(value_width, widest(&l));
        }
    }
    lines_done(&l);
    size_t label = (size_t)snprintf(NULL, 0, "-[ RECORD %zu ]", t->rows);
    if (value_width + name_width + 4 < label) /* the label may be the widest line */
        value_width = label - name_width - 4;
    if (t->title && !style->tuples_only)
        fprintf(out, "%s\n", t->title);
    if (t->rows == 0 && !style->tuples_only)
        draw_footer(t, out);
    for (size_t r = 0; r < t->rows; r++) {
        if (!style->tuples_only)
            draw_record_rule(r + 1, name_width, value_width, out);
        else if (r)
            fputc('\n', out);
        draw_record(t, style, r, name_width, value_width, out);
    }
    fputc('\n', out);
}

/* ---- for programs ---------------------------------------------------------------------------- */

static void draw_unaligned(const struct minisql_table *t, const struct minisql_style *style,
                           FILE *out)
{
    const char *separator = style->separator ? style->separator : "|";
    if (!style->tuples_only && !style->expanded) {
        if (t->title)
            fprintf(out, "%s\n", t->title);
        for (size_t c = 0; c < t->columns; c++)
            fprintf(out, "%s%s", c ? separator : "", t->names[c]);
        fputc('\n', out);
    }
    for (size_t r = 0; r < t->rows; r++) {
        if (style->expanded && r)
            fputc('\n', out);
        for (size_t c = 0; c < t->columns; c++) {
            const char *value = cell_text(t, style, r, c);
            if (style->expanded)
                fprintf(out, "%s%s%s\n", t->names[c], separator, value);
            else
                fprintf(out, "%s%s", c ? separator : "", value);
        }
        if (!style->expanded)
            fputc('\n', out);
    }
    if (!style->tuples_only && !style->expanded)
        draw_footer(t, out);
}

static void csv_field(const char *value, FILE *out)
{
    if (!strpbrk(value, ",\"\r\n") && strcmp(value, "\\.") != 0) {
        fputs(value, out);
        return;
    }
    fputc('"', out);
    for (; *value; value++) {
        if (*value == '"')
            fputc('"', out);
        fputc(*value, out);
    }
    fputc('"', out);
}

static void draw_csv(const struct minisql_table *t, const struct minisql_style *style, FILE *out)
{
    if (!style->tuples_only) {
        for (size_t c = 0; c < t->columns; c++) {
            if (c)
                fputc(',', out);
            csv_field(t->names[c], out);
        }
        fputc('\n', out);
    }
    for (size_t r = 0; r < t->rows; r++) {
        for (size_t c = 0; c < t->columns; c++) {
            if (c)
                fputc(',', out);
            csv_field(cell_text(t, style, r, c), out);
        }
        fputc('\n', out);
    }
}

static void json_string(const char *s, FILE *out)
{
    fputc('"', out);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        const char *short_form = c == '"'    ? "\\\""
                                 : c == '\\' ? "\\\\"
                                 : c == '\n' ? "\\n"
                                 : c == '\t' ? "\\t"
                                 : c == '\r' ? "\\r"
                                             : NULL;
        if (short_form)
            fputs(short_form, out);
        else if (c < ' ')
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void json_value(const char *value, enum minisql_kind kind, FILE *out)
{
    if (!value)
        fputs("null", out);
    else if (kind == MINISQL_BOOL)
        fputs(value[0] == 't' ? "true" : "false", out);
    else if (kind == MINISQL_NUMBER && isdigit((unsigned char)value[value[0] == '-']))
        fputs(value, out); /* NaN and Infinity are no JSON numbers and become strings */
    else
        json_string(value, out);
}

static void draw_json(const struct minisql_table *t, FILE *out)
{
    fputc('[', out);
    for (size_t r = 0; r < t->rows; r++) {
        fputs(r ? ",\n {" : "{", out);
        for (size_t c = 0; c < t->columns; c++) {
            if (c)
                fputs(", ", out);
            json_string(t->names[c], out);
            fputs(": ", out);
            json_value(t->cell(t, r, c), t->kinds[c], out);
        }
        fputc('}', out);
    }
    fputs("]\n", out);
}

void minisql_draw(const struct minisql_table *t, const struct minisql_style *style, FILE *out)
{
    switch (style->format) {
    case MINISQL_UNALIGNED:
        draw_unaligned(t, style, out);
        break;
    case MINISQL_CSV:
        draw_csv(t, style, out);
        break;
    case MINISQL_JSON:
        draw_json(t, out);
        break;
    case MINISQL_ALIGNED:
        if (style->expanded)
            draw_expanded(t, style, out);
        else
            draw_aligned(t, style, out);
        break;
    }
}
