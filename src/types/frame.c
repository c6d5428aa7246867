/*
 * Frames that SQLite has not: RANGE with an offset from a key that is no plain integer, and offsets
 * that are neither literals nor parameters. SQLite still sorts and partitions the rows:
 *
 *   minisql_over('sum(1700) rpfn 1 1700 1700.0', counts, start, end, x, key)
 *       OVER (PARTITION BY .. ORDER BY key ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
 *
 * With that frame SQLite hands over all rows of a partition before it asks for the first value, and
 * takes the first one away after each: how many it took tells which row is the current one. All
 * rows are kept; the real frame is found here, and the function computed over it.
 *
 * The description: the function's key; mode (`r` RANGE, `g` GROUPS, `o` ROWS), the frame's start
 * and end (`U` unbounded preceding, `p` offset preceding, `c` current row, `f` offset following,
 * `u` unbounded following), what is excluded (`n` nothing, `c` the current row, `g` its peers, `t`
 * its peers but not itself); how many arguments the function has, and the type of its result; then
 * each key's type and direction, as in sorted.c. Of the arguments, `counts` is FILTER, the offsets
 * are the same in all rows, and the last ones are the keys.
 */
#include "types/frame.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>

enum { FIXED_ARGS = 4 }; /* description, counts, start, end */

enum over_kind { OVER_AGGREGATE, OVER_LEAST, OVER_GREATEST, OVER_FIRST, OVER_LAST, OVER_NTH };

struct frame_rows {
    size_t from, to; /* to: behind the last one */
};

struct over {
    const struct func *f;
    enum over_kind kind;
    uint32_t result;
    char mode, start, end, exclude;
    struct ordered_rows r;         /* its args: counts, and the function's. Owned, texts too */
    struct value start_at, end_at; /* offsets; owned */
    size_t cap, bytes;
    size_t current;     /* rows that SQLite has taken away */
    size_t *group;      /* of each row the number of its group of peers; NULL: not known yet */
    size_t *group_from; /* where each begins, and where the last one ends */
    size_t n_groups;
    struct frame_rows frame; /* of the row before, or this one */
    struct frame_rows done;  /* what `state` is over; started: it is over something */
    bool started;
    struct agg_state state;
};

struct slot {
    struct over *over; /* from the heap: aligned */
};

/* ---- functions by key ------------------------------------------------------------------------ */

static struct map functions;
static pthread_once_t functions_once = PTHREAD_ONCE_INIT;

static void build(void)
{
    size_t n;
    const struct func *rows = func_table(&n);
    for (size_t i = 0; i < n; i++) {
        _cleanup_(buf_done) struct buf key = {0};
        if (rows[i].kind != FUNC_AGGREGATE && rows[i].kind != FUNC_WINDOW)
            continue;
        types_set_key(&rows[i], &key);
        map_put_str(&functions, key.data, (void *)(uintptr_t)&rows[i]);
    }
}

static bool kind_of(const struct func *f, enum over_kind *ret)
{
    static const struct {
        const char *name;
        enum over_kind kind;
    } known[] = {{"min", OVER_LEAST},
                 {"max", OVER_GREATEST},
                 {"first_value", OVER_FIRST},
                 {"last_value", OVER_LAST},
                 {"nth_value", OVER_NTH}};
    *ret = OVER_AGGREGATE;
    for (size_t i = 0; i < ARRAY_LEN(known) && !f->agg; i++) {
        if (strcmp(f->name, known[i].name) == 0) {
            *ret = known[i].kind;
            return true;
        }
    }
    return f->agg != NULL;
}

bool types_frame_matters(const struct func *f)
{
    enum over_kind kind;
    return kind_of(f, &kind);
}

static bool parse(struct over *o, const char *text, int n)
{
    const char *blank = strchr(text, ' ');
    int at = 0, n_args, direction;
    unsigned oid, result;
    pthread_once(&functions_once, build);
    o->f = blank ? map_get(&functions, text, (size_t)(blank - text)) : NULL;
    if (!o->f || !kind_of(o->f, &o->kind) ||
        sscanf(blank, " %c%c%c%c %d %u%n", &o->mode, &o->start, &o->end, &o->exclude, &n_args,
               &result, &at) != 6 ||
        n_args != o->f->nargs + o->f->typed)
        return false;
    o->r.n_args = 1 + n_args;
    o->result = result;
    for (text = blank + at; sscanf(text, " %u.%d%n", &oid, &direction, &at) == 2; text += at) {
        const struct type *t = type_by_oid(oid);
        if (o->r.n_keys == ORDERED_MAX_KEYS || !t)
            return false;
        o->r.keys[o->r.n_keys++] = (struct ordered_key){.type = t, .direction = direction};
    }
    return n == FIXED_ARGS - 1 + o->r.n_args + o->r.n_keys;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static struct value *row_of(const struct over *o, size_t i)
{
    return o->r.rows + i * (size_t)(o->r.n_args + o->r.n_keys);
}

static const struct value *key_of(const struct over *o, size_t i)
{
    return row_of(o, i) + o->r.n_args;
}

static struct value kept(struct over *o, struct value v)
{
    o->bytes += sizeof(v);
    if (v.kind == VALUE_TEXT || v.kind == VALUE_BLOB) {
        v.s.p = mem_strndup(v.s.p, v.s.n);
        o->bytes += v.s.n;
    }
    return v;
}

static void drop(struct value *v)
{
    if (v->kind == VALUE_TEXT || v->kind == VALUE_BLOB)
        mem_free((char *)v->s.p);
}

static struct error *keep(struct over *o, sqlite3_value **argv)
{
    size_t width = (size_t)(o->r.n_args + o->r.n_keys);
    if (o->r.n == o->cap) {
        o->cap = o->cap ? o->cap * 2 : 16;
        o->r.rows = mem_realloc(o->r.rows, o->cap * width * sizeof(*o->r.rows));
    }
    struct value *row = row_of(o, o->r.n++);
    row[0] = kept(o, value_of_sqlite(argv[1]));
    for (size_t i = 1; i < width; i++)
        row[i] = kept(o, value_of_sqlite(argv[FIXED_ARGS - 1 + i]));
    for (int i = 1; i < o->r.n_args; i++) {
        bool hidden = o->f->typed && i == o->r.n_args - 1;
        uint32_t type = hidden ? (uint32_t)OID_INT8 : o->f->args[i - 1];
        if (type != OID_ANY)
            TRY(types__check_kind(type, &row[i]));
    }
    for (int i = 0; i < o->r.n_keys; i++)
        TRY(types__check_kind(o->r.keys[i].type->oid, &row[o->r.n_args + i]));
    if (o->bytes > TEXT_MAX_BYTES)
        return error_hint(error_new("54000", "a window holds too many rows"),
                          "Use fewer rows, or a frame of ROWS.");
    return NULL;
}

/* An offset is the same in all rows; what it is of, the mode and the key say. */
static struct error *take_offset(struct over *o, char bound, sqlite3_value *v, struct value *ret)
{
    const char *which = ret == &o->start_at ? "starting" : "ending";
    bool range = o->mode == 'r';
    if (bound != 'p' && bound != 'f')
        return NULL;
    *ret = kept(o, value_of_sqlite(v));
    if (ret->kind == VALUE_NULL)
        return error_new("22004", "frame %s offset must not be null", which);
    TRY(types__check_kind(range && o->r.n_keys == 1 ? types_range_offset(o->r.keys[0].type->oid)
                                                    : (uint32_t)OID_INT8,
                          ret));
    if (!range && ret->i < 0)
        return error_new("22013", "frame %s offset must not be negative", which);
    return NULL;
}

static void over_free(struct over *o)
{
    size_t n = o->r.n * (size_t)(o->r.n_args + o->r.n_keys);
    for (size_t i = 0; i < n; i++)
        drop(&o->r.rows[i]);
    drop(&o->start_at);
    drop(&o->end_at);
    if (o->started && o->f->agg && o->f->agg->done)
        o->f->agg->done(&o->state);
    mem_free(o->r.rows);
    mem_free(o->group);
    mem_free(o->group_from);
    mem_free(o);
}

static void find_groups(struct over *o)
{
    o->group = mem_alloc(sizeof(*o->group) * (o->r.n + 1));
    o->group_from = mem_alloc(sizeof(*o->group_from) * (o->r.n + 1));
    for (size_t i = 0; i < o->r.n; i++) {
        if (i == 0 || types__ordered_compare(&o->r, key_of(o, i - 1), key_of(o, i)) != 0)
            o->group_from[o->n_groups++] = i;
        o->group[i] = o->n_groups - 1;
    }
    o->group_from[o->n_groups] = o->r.n;
}

/* ---- the frame ------------------------------------------------------------------------------- */

/* `at` - offset or + offset, within 0 .. last */
static size_t moved(size_t at, const struct value *offset, bool back, size_t last)
{
    uint64_t by = (uint64_t)offset->i;
    if (back)
        return by > at ? 0 : at - (size_t)by;
    return by > last - at ? last : at + (size_t)by;
}

static bool reaches_back(size_t at, const struct value *offset)
{
    return (uint64_t)offset->i <= at;
}

/* Rows are their own groups in ROWS. */
static size_t group_count(const struct over *o)
{
    return o->mode == 'o' ? o->r.n : o->n_groups;
}

static size_t group_at(const struct over *o, size_t row)
{
    return o->mode == 'o' ? row : o->group[row];
}

static size_t group_start(const struct over *o, size_t group)
{
    return o->mode == 'o' ? group : o->group_from[group];
}

/* Moves *at over rows, whose order can only bring the bound farther, to the first one that is
 * within (start), or beyond (end). */
static struct error *range_end(const struct over *o, bool start, struct arena *a, size_t *at)
{
    const struct ordered_key *k = &o->r.keys[0];
    const struct value *offset = start ? &o->start_at : &o->end_at, *own = key_of(o, o->current);
    bool descending = k->direction & 1, nulls_first = k->direction & 2;
    bool minus = ((start ? o->start : o->end) == 'p') != descending, known = false;
    bool null = own->kind == VALUE_NULL;
    struct range_bound bound;
    for (; *at < o->r.n; ++*at) {
        const struct value *other = key_of(o, *at);
        bool other_null = other->kind == VALUE_NULL, in;
        if (null || other_null) { /* NULLs are all together, at one end */
            bool before = nulls_first ? other_null : !other_null;
            if (start ? null == other_null || !before : null != other_null && !before)
                break;
            continue;
        }
        if (!known)
            TRY(types__range_bound(k->type->oid, own, offset, minus, a, &bound));
        known = true;
        TRY(types__in_range(k->type->oid, other, &bound, start == descending, a, &in));
        if (start == in)
            break;
    }
    return NULL;
}

static struct error *frame_from(const struct over *o, struct arena *a, size_t *at)
{
    size_t n = group_count(o), group = group_at(o, o->current);
    switch (o->start) {
    case 'U':
        *at = 0;
        break;
    case 'c':
        *at = group_start(o, group);
        break;
    default:
        if (o->mode == 'r')
            return range_end(o, true, a, at);
        group = moved(group, &o->start_at, o->start == 'p', n);
        *at = group == n ? o->r.n : group_start(o, group);
    }
    return NULL;
}

static struct error *frame_to(const struct over *o, struct arena *a, size_t *at)
{
    size_t n = group_count(o), group = group_at(o, o->current);
    switch (o->end) {
    case 'c':
        *at = group_start(o, group + 1);
        break;
    case 'u':
        *at = o->r.n;
        break;
    default:
        if (o->mode == 'r')
            return range_end(o, false, a, at);
        if (o->end == 'p' && !reaches_back(group, &o->end_at))
            *at = 0;
        else
            *at = group_start(o, MIN(moved(group, &o->end_at, o->end == 'p', n), n - 1) + 1);
    }
    return NULL;
}

static bool excluded(const struct over *o, size_t row)
{
    bool peer = o->exclude != 'n' && o->group[row] == o->group[o->current];
    return o->exclude == 'c' ? row == o->current : peer && (o->exclude == 'g' || row != o->current);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Does an aggregate see the row? */
static bool counts(const struct over *o, size_t i)
{
    const struct value *row = row_of(o, i);
    bool seen = row[0].kind == VALUE_INT && row[0].i;
    for (int k = 1; k < o->r.n_args && o->f->strict; k++)
        seen &= row[k].kind != VALUE_NULL;
    return seen && !excluded(o, i);
}

/* A frame that only grows is one step a row; any other is computed anew, as PostgreSQL does. */
static struct error *aggregate(struct over *o, struct arena *a, struct value *ret)
{
    const struct agg *agg = o->f->agg;
    bool grows = o->started && o->exclude == 'n' && o->done.from == o->frame.from &&
                 o->done.to <= o->frame.to;
    if (!grows) {
        if (o->started && agg->done)
            agg->done(&o->state);
        agg->init(&o->state);
        o->started = true;
        o->done = (struct frame_rows){o->frame.from, o->frame.from};
    }
    for (; o->done.to < o->frame.to; o->done.to++)
        if (counts(o, o->done.to))
            TRY(agg->step(&o->state, row_of(o, o->done.to) + 1, o->r.n_args - 1));
    return agg->final(&o->state, a, ret);
}

/* min() and max() of types that SQLite compares by itself */
static void extreme(const struct over *o, struct value *ret)
{
    const struct type *t = type_by_oid(o->result);
    for (size_t i = o->frame.from; i < o->frame.to && t; i++) {
        const struct value *v = row_of(o, i) + 1;
        if (!counts(o, i) || v->kind != t->storage)
            continue;
        int order = ret->kind == VALUE_NULL ? 0 : type_compare(t, v, ret);
        if (ret->kind == VALUE_NULL || (o->kind == OVER_LEAST ? order < 0 : order > 0))
            *ret = *v;
    }
}

/* The nth row of the frame, from its start, or from its end. */
static void nth(const struct over *o, int64_t n, bool from_end, struct value *ret)
{
    for (size_t i = o->frame.from; i < o->frame.to; i++) {
        size_t row = from_end ? o->frame.to - 1 - (i - o->frame.from) : i;
        if (!excluded(o, row) && --n == 0) {
            *ret = row_of(o, row)[1];
            return;
        }
    }
}

static struct error *value_of(struct over *o, struct arena *a, struct value *ret)
{
    const struct value *args = row_of(o, o->current) + 1;
    switch (o->kind) {
    case OVER_AGGREGATE:
        return aggregate(o, a, ret);
    case OVER_LEAST:
    case OVER_GREATEST:
        extreme(o, ret);
        return NULL;
    case OVER_FIRST:
    case OVER_LAST:
        nth(o, 1, o->kind == OVER_LAST, ret);
        return NULL;
    case OVER_NTH:
        if (args[1].kind == VALUE_INT && args[1].i <= 0)
            return error_new("22016", "argument of nth_value must be greater than zero");
        if (args[1].kind == VALUE_INT)
            nth(o, args[1].i, false, ret);
        return NULL;
    }
    return NULL;
}

static struct error *current_value(struct over *o, struct arena *a, struct value *ret)
{
    if (!o->group)
        find_groups(o);
    TRY(frame_from(o, a, &o->frame.from));
    TRY(frame_to(o, a, &o->frame.to));
    return value_of(o, a, ret);
}

/* ---- SQLite's side --------------------------------------------------------------------------- */

static struct over *over_of(sqlite3_context *c, int n, sqlite3_value **argv)
{
    struct slot *slot = sqlite3_aggregate_context(c, sizeof(*slot));
    if (!slot) {
        sqlite3_result_error_nomem(c);
        return NULL;
    }
    if (slot->over)
        return slot->over;
    struct over *o = NEW(struct over);
    const char *text = n ? (const char *)sqlite3_value_text(argv[0]) : NULL;
    struct error *e =
        text && parse(o, text, n) ? NULL : error_new(E_INTERNAL, "minisql_over: no such window");
    if (!e)
        e = take_offset(o, o->start, argv[2], &o->start_at);
    if (!e)
        e = take_offset(o, o->end, argv[3], &o->end_at);
    slot->over = o;
    if (!e)
        return o;
    types__sqlite_error(c, e);
    over_free(o);
    slot->over = NULL;
    return NULL;
}

static void step(sqlite3_context *c, int n, sqlite3_value **argv)
{
    struct over *o = over_of(c, n, argv);
    bool fits = o && n == FIXED_ARGS - 1 + o->r.n_args + o->r.n_keys;
    struct error *e = !o     ? NULL
                      : fits ? keep(o, argv)
                             : error_new(E_INTERNAL, "minisql_over: another number of arguments");
    if (e)
        types__sqlite_error(c, e);
}

static void inverse(sqlite3_context *c, int n, sqlite3_value **argv)
{
    (void)n, (void)argv;
    struct slot *slot = sqlite3_aggregate_context(c, 0);
    if (slot && slot->over)
        slot->over->current++;
}

static void value(sqlite3_context *c)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct slot *slot = sqlite3_aggregate_context(c, 0);
    struct value result = {.kind = VALUE_NULL};
    if (!slot || !slot->over || slot->over->current >= slot->over->r.n)
        return;
    struct error *e = current_value(slot->over, &a, &result);
    if (e)
        types__sqlite_error(c, e);
    else
        types__give(c, &result);
}

static void final(sqlite3_context *c)
{
    struct slot *slot = sqlite3_aggregate_context(c, 0);
    if (slot && slot->over)
        over_free(slot->over);
    if (slot)
        slot->over = NULL;
}

int types__register_frame(sqlite3 *db)
{
    return sqlite3_create_window_function(db, "minisql_over", -1, SQLITE_UTF8 | SQLITE_INNOCUOUS,
                                          NULL, step, final, value, inverse, NULL);
}
