/*
 * datetime() of SQL/JSON paths: dates and times as items. They are made of text by a template, or
 * by the first of those of ISO 8601 that fits, are compared with each other, by the session's time
 * zone where one of the two has none, and become text again, in ISO 8601.
 */
#include "types/format.h"
#include "types/json_path.h"

#include <pthread.h>
#include <stdlib.h>

static const struct {
    uint32_t type;
    const char *name; /* in messages */
} types[] = {
    /* what can be compared: each is made one of those behind it in its group */
    {OID_DATE, "date"}, {OID_TIMESTAMP, "timestamp"}, {OID_TIMESTAMPTZ, "timestamptz"},
    {OID_TIME, "time"}, {OID_TIMETZ, "timetz"},
};
enum { FIRST_TIME = 3 };

/* ---- reading -------------------------------------------------------------------------------- */

static const char *const iso_texts[] = {
    "yyyy-mm-dd",
    "HH24:MI:SS.USTZH:TZM",
    "HH24:MI:SS.USTZH",
    "HH24:MI:SSTZH:TZM",
    "HH24:MI:SSTZH",
    "HH24:MI:SS.US",
    "HH24:MI:SS",
    "yyyy-mm-dd HH24:MI:SS.USTZH:TZM",
    "yyyy-mm-dd HH24:MI:SS.USTZH",
    "yyyy-mm-dd HH24:MI:SSTZH:TZM",
    "yyyy-mm-dd HH24:MI:SSTZH",
    "yyyy-mm-dd\"T\"HH24:MI:SS.USTZH:TZM",
    "yyyy-mm-dd\"T\"HH24:MI:SS.USTZH",
    "yyyy-mm-dd\"T\"HH24:MI:SSTZH:TZM",
    "yyyy-mm-dd\"T\"HH24:MI:SSTZH",
    "yyyy-mm-dd HH24:MI:SS.US",
    "yyyy-mm-dd HH24:MI:SS",
    "yyyy-mm-dd\"T\"HH24:MI:SS.US",
    "yyyy-mm-dd\"T\"HH24:MI:SS",
};

struct template
{
    struct time_item *items;
    size_t n;
};

/* Written once by read_iso(), read only afterwards. */
static struct template iso[ARRAY_LEN(iso_texts)];
static struct arena iso_arena;
static pthread_once_t iso_once = PTHREAD_ONCE_INIT;

static void read_iso(void)
{
    for (size_t i = 0; i < ARRAY_LEN(iso); i++) {
        const struct value text = value_text(iso_texts[i], strlen(iso_texts[i]));
        if (types__time_items(&text, &iso_arena, &iso[i].items, &iso[i].n))
            abort();
    }
}

static struct error *read_any_iso(const struct value *text, struct moment_read *ret)
{
    pthread_once(&iso_once, read_iso);
    for (size_t i = 0; i < ARRAY_LEN(iso); i++) {
        struct error *e = types__moment_read(text, iso[i].items, iso[i].n, ret);
        if (!e)
            return NULL;
        error_free(e);
    }
    return error_hint(error_new("22031", "datetime format is not recognized: \"%.*s\"",
                                (int)MIN(text->s.n, 1000), text->s.p),
                      "Use a datetime template argument to specify the input data format.");
}

static struct error *read_by(const struct value *text, const struct value *template,
                             struct arena *a, struct moment_read *ret, bool *ret_hard)
{
    struct template t = {0};
    *ret_hard = true;
    TRY(types__time_items(template, a, &t.items, &t.n));
    TRY(types__time_separators(t.items, t.n));
    *ret_hard = false;
    /* Nothing is read by no template at all, and so it is the template that is wrong. */
    const struct value nothing = value_text("", 0);
    return types__moment_read(template->s.n ? text : &nothing, t.items, t.n, ret);
}

/* ---- printing ------------------------------------------------------------------------------- */

static void print_offset(int32_t east, struct buf *out)
{
    int minutes = abs(east) / 60;
    buf_printf(out, "%c%02d:%02d", east < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

/* 2024-01-31T10:00:00+00:00 BC: each with the offset that was read. */
static void print(const struct moment_read *m, struct buf *out)
{
    int32_t east;
    switch (m->type) {
    case OID_DATE:
        types__date_print_iso((int32_t)m->value, out);
        return;
    case OID_TIME:
        types__time_print(m->value, out);
        return;
    case OID_TIMETZ:
        types__time_print(types__timetz_unpack(m->value, &east), out);
        print_offset(east, out);
        return;
    default:
        break;
    }
    bool zoned = m->type == OID_TIMESTAMPTZ;
    types__timestamp_print_iso(m->value + (zoned ? m->east * SECOND_US : 0), false, out);
    *strchr(out->data, ' ') = 'T';
    bool bc = out->data[out->len - 1] == 'C';
    out->len -= bc ? strlen(" BC") : 0;
    if (zoned)
        print_offset(m->east, out);
    buf_puts(out, bc ? " BC" : "");
}

struct error *types__path_moment(const struct value *text, const struct value *template,
                                 struct arena *a, struct json *ret, bool *ret_hard)
{
    _cleanup_(buf_done) struct buf out = {0};
    struct moment_read m;
    *ret_hard = false;
    TRY(template->kind == VALUE_TEXT ? read_by(text, template, a, &m, ret_hard)
                                     : read_any_iso(text, &m));
    if (m.type == OID_TIMESTAMPTZ &&
        !types__date_valid(types__timestamp_days(m.value + m.east * SECOND_US))) {
        *ret_hard = true; /* it can't be printed */
        return error_new(E_DATETIME_RANGE, "timestamp out of range");
    }
    print(&m, &out);
    *ret = (struct json){.kind = JSON_MOMENT,
                         .type = m.type,
                         .text = types__text_of(a, &out),
                         .source = value_int(m.value)};
    return NULL;
}

const char *types__path_moment_type(const struct json *moment)
{
    return type_by_oid(moment->type)->sql_name;
}

/* ---- comparing ------------------------------------------------------------------------------ */

static size_t place(const struct json *moment)
{
    size_t i = 0;
    while (types[i].type != moment->type)
        i++;
    return i;
}

static struct error *convert(const struct value *v, size_t from, size_t to, bool zoned,
                             struct arena *a, struct value *ret)
{
    *ret = *v;
    if (from == to)
        return NULL;
    if (types[to].type == OID_TIMESTAMP)
        return types__date_as_timestamp(v, 1, a, ret);
    if (!zoned)
        return error_hint(error_new(E_UNSUPPORTED,
                                    "cannot convert value from %s to %s without time zone usage",
                                    types[from].name, types[to].name),
                          "Use *_tz() function for time zone support.");
    return types[to].type == OID_TIMETZ   ? types__time_to_timetz(v, 1, a, ret)
           : types[from].type == OID_DATE ? types__date_as_timestamptz(v, 1, a, ret)
                                          : types__timestamp_as_timestamptz(v, 1, a, ret);
}

struct error *types__path_moment_compare(const struct json *x, const struct json *y, bool zoned,
                                         struct arena *a, bool *ret_comparable, int *ret)
{
    size_t left = place(x), right = place(y), both = MAX(left, right);
    struct value v, w;
    *ret_comparable = (left < FIRST_TIME) == (right < FIRST_TIME);
    if (!*ret_comparable)
        return NULL;
    TRY(convert(&x->source, left, both, zoned, a, &v));
    TRY(convert(&y->source, right, both, zoned, a, &w));
    *ret = (v.i > w.i) - (v.i < w.i);
    return NULL;
}
