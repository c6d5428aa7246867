/*
 * SQLite's side: registering every function on a connection, and calling them from there.
 *
 * One table of registrations is built once per process; types_register() walks it. A registered
 * function is a trampoline: it turns SQLite's values into struct value, handles NULL for strict
 * functions, checks that each argument has the representation that its type says (what a region
 * sends may be wrong, and a text function that gets an integer must not follow it as a pointer),
 * calls, and hands the result or the error over. Temporary memory is a buffer on the stack that
 * overflows into an arena.
 *
 * Aggregates are registered twice: `name` for plain use, and `name`_over for use with OVER. The
 * second keeps the rows of its frame, since PostgreSQL computes a frame that lost rows at its start
 * anew (subtracting floats would not give the same), while a frame that only grows is one step a
 * row in both.
 */
#include "types/types_int.h"

#include <math.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>

enum { MAX_ARGS = 127, SCRATCH = 1024 };

struct registration {
    const struct func *f;
    int kinds[FUNC_MAX_ARGS]; /* SQLite's type code that an argument must have; 0: any */
    char over_name[64];       /* aggregates */
};

/* Written once by build(), read only afterwards. */
static struct registration *registrations;
static size_t n_registrations;
static pthread_once_t build_once = PTHREAD_ONCE_INIT;

void types_sqlite_begin(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    /* no twenty pages in advance for each connection: there are many */
    sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
}

static int kind_of(uint32_t oid)
{
    const struct type *t = type_by_oid(oid);
    if (oid == OID_ANYELEMENT || oid == OID_ANYNONARRAY || oid == OID_ANYCOMPATIBLE ||
        oid == OID_ANYCOMPATIBLENONARRAY || oid == OID_ANYENUM)
        return 0;
    if (!t)
        return SQLITE_TEXT;
    return t->storage == VALUE_INT    ? SQLITE_INTEGER
           : t->storage == VALUE_REAL ? SQLITE_FLOAT
           : t->storage == VALUE_BLOB ? SQLITE_BLOB
                                      : SQLITE_TEXT;
}

static void add_registration(struct map *seen, const struct func *f)
{
    if (!f->sqlite_name)
        return;
    const struct func *other = map_get_str(seen, f->sqlite_name);
    if (other) { /* one name, one function */
        assert(other->call == f->call && other->agg == f->agg &&
               (other->variadic || other->nargs == f->nargs));
        return;
    }
    map_put_str(seen, f->sqlite_name, (void *)(uintptr_t)f);
    struct registration *r = &registrations[n_registrations++];
    r->f = f;
    for (int i = 0; i < f->nargs; i++)
        r->kinds[i] = f->kind == FUNC_ORDERED && f->variadic ? 0 : kind_of(f->args[i]);
    if (f->kind == FUNC_AGGREGATE)
        snprintf(r->over_name, sizeof(r->over_name), "%s_over", f->sqlite_name);
}

static void build(void)
{
    size_t n;
    const struct func *rows = func_table(&n);
    struct map seen = {0};
    const struct func_rows *const nameless[] = {&types__cast_funcs, &types__domain_funcs,
                                                &types__record_hidden_funcs};
    size_t all = n;
    for (size_t i = 0; i < ARRAY_LEN(nameless); i++)
        all += nameless[i]->n;
    registrations = mem_zalloc(all * sizeof(*registrations));
    for (size_t i = 0; i < n; i++)
        add_registration(&seen, &rows[i]);
    for (size_t i = 0; i < ARRAY_LEN(nameless); i++)
        for (size_t k = 0; k < nameless[i]->n; k++)
            add_registration(&seen, &nameless[i]->rows[k]);
    map_done(&seen);
}

/* ---- values ------------------------------------------------------------------------------- */

struct value value_of_sqlite(sqlite3_value *v)
{
    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER:
        return value_int(sqlite3_value_int64(v));
    case SQLITE_FLOAT:
        return value_real(sqlite3_value_double(v));
    case SQLITE_TEXT: {
        const char *p = (const char *)sqlite3_value_text(v);
        return value_of_text(p, (size_t)sqlite3_value_bytes(v));
    }
    case SQLITE_BLOB: {
        const char *p = sqlite3_value_blob(v);
        return (struct value){.kind = VALUE_BLOB,
                              .s = {p ? p : "", (size_t)sqlite3_value_bytes(v)}};
    }
    default:
        return (struct value){.kind = VALUE_NULL};
    }
}

struct value value_from_column(sqlite3_stmt *stmt, int column)
{
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        return value_int(sqlite3_column_int64(stmt, column));
    case SQLITE_FLOAT:
        return value_real(sqlite3_column_double(stmt, column));
    case SQLITE_TEXT: {
        const char *p = (const char *)sqlite3_column_text(stmt, column);
        return value_of_text(p, (size_t)sqlite3_column_bytes(stmt, column));
    }
    case SQLITE_BLOB: {
        const char *p = sqlite3_column_blob(stmt, column);
        size_t n = (size_t)sqlite3_column_bytes(stmt, column);
        return (struct value){.kind = VALUE_BLOB, .s = {p ? p : "", n}};
    }
    default:
        return (struct value){.kind = VALUE_NULL};
    }
}

int value_bind(sqlite3_stmt *stmt, int index, const struct value *v)
{
    switch (v->kind) {
    case VALUE_INT:
        return sqlite3_bind_int64(stmt, index, v->i);
    case VALUE_REAL:
        if (isnan(v->r))
            return sqlite3_bind_text(stmt, index, VALUE_NAN_MARK, VALUE_NAN_LENGTH, SQLITE_STATIC);
        return sqlite3_bind_double(stmt, index, v->r);
    case VALUE_TEXT: /* a NULL pointer would bind NULL */
        return sqlite3_bind_text64(stmt, index, v->s.p ? v->s.p : "", v->s.n, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case VALUE_BLOB:
        return sqlite3_bind_blob64(stmt, index, v->s.p ? v->s.p : "", v->s.n, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(stmt, index);
    }
}

/* ---- errors and results ------------------------------------------------------------------- */

/* \1 state \1 message \1 detail .. */
char *types__error_text(const struct error *e)
{
    const char *rest[] = {e->detail, e->hint,     e->table,     e->column,
                          e->schema, e->datatype, e->constraint};
    struct buf b = {0};
    buf_printf(&b, "\1%s\1%s", e->sqlstate, e->message);
    for (size_t i = 0; i < ARRAY_LEN(rest); i++)
        buf_printf(&b, "\1%s", rest[i] ? rest[i] : "");
    return b.data;
}

static void give_error(sqlite3_context *c, struct error *e)
{
    char *text = types__error_text(e);
    sqlite3_result_error(c, text, -1);
    mem_free(text);
    error_free(e);
}

void types__give(sqlite3_context *c, const struct value *v)
{
    switch (v->kind) {
    case VALUE_INT:
        sqlite3_result_int64(c, v->i);
        break;
    case VALUE_REAL:
        if (isnan(v->r))
            sqlite3_result_text(c, VALUE_NAN_MARK, VALUE_NAN_LENGTH, SQLITE_STATIC);
        else
            sqlite3_result_double(c, v->r);
        break;
    case VALUE_TEXT:
        sqlite3_result_text64(c, v->s.p, v->s.n, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case VALUE_BLOB:
        sqlite3_result_blob64(c, v->s.p, v->s.n, SQLITE_TRANSIENT);
        break;
    default:
        sqlite3_result_null(c);
    }
}

struct error *types__check_kind(uint32_t type, struct value *v)
{
    int kind = kind_of(type);
    static const enum value_kind kinds[] = {[SQLITE_INTEGER] = VALUE_INT,
                                            [SQLITE_FLOAT] = VALUE_REAL,
                                            [SQLITE_TEXT] = VALUE_TEXT,
                                            [SQLITE_BLOB] = VALUE_BLOB};
    if (v->kind == VALUE_NULL || !kind || v->kind == kinds[kind])
        return NULL;
    if (kind == SQLITE_FLOAT && v->kind == VALUE_INT) {
        *v = value_real((double)v->i);
        return NULL;
    }
    return error_new(E_INTERNAL, "a function was given a value of another type");
}

/* An int where a float is expected is converted, anything else is refused. */
static bool fix_kind(const struct registration *r, int expected, struct value *v,
                     struct error **ret_error)
{
    if (expected == SQLITE_FLOAT && v->kind == VALUE_INT) {
        *v = value_real((double)v->i);
        return true;
    }
    *ret_error =
        error_new(E_INTERNAL, "function %s was given a value of another type", r->f->sqlite_name);
    return false;
}

/* Reads the arguments. False: the result is NULL (strict), or *ret_error is set. */
static bool read_args(const struct registration *r, int n, sqlite3_value **argv, struct value *args,
                      struct error **ret_error)
{
    static const int codes[] = {[VALUE_NULL] = SQLITE_NULL,
                                [VALUE_INT] = SQLITE_INTEGER,
                                [VALUE_REAL] = SQLITE_FLOAT,
                                [VALUE_TEXT] = SQLITE_TEXT,
                                [VALUE_BLOB] = SQLITE_BLOB};
    *ret_error = NULL;
    for (int i = 0; i < n; i++) {
        args[i] = value_of_sqlite(argv[i]);
        if (args[i].kind == VALUE_NULL) {
            if (r->f->strict)
                return false;
            continue;
        }
        int expected = r->kinds[MIN(i, r->f->nargs - 1)];
        if (r->f->typed && i == n - 1)
            expected = SQLITE_INTEGER;
        if (expected && codes[args[i].kind] != expected &&
            !fix_kind(r, expected, &args[i], ret_error))
            return false;
    }
    return true;
}

/* ---- scalars ------------------------------------------------------------------------------ */

static void scalar(sqlite3_context *c, int n, sqlite3_value **argv)
{
    const struct registration *r = sqlite3_user_data(c);
    struct value args[MAX_ARGS], result = {.kind = VALUE_NULL};
    struct error *e = NULL;
    if (n > MAX_ARGS)
        e = error_new("54023", "cannot pass more than %d arguments to a function", MAX_ARGS);
    else if (!read_args(r, n, argv, args, &e))
        goto out;
    if (!e) {
        _Alignas(16) char scratch[SCRATCH];
        struct arena a = {.next = scratch, .end = scratch + sizeof(scratch)};
        e = r->f->call(args, n, &a, &result);
        if (!e)
            types__give(c, &result);
        if (a.blocks)
            arena_done(&a);
        if (!e)
            return;
    }
out:
    if (e)
        give_error(c, e);
}

/* ---- aggregates --------------------------------------------------------------------------- */

/* SQLite's aggregate memory is aligned to 8 only, __int128 wants 16. */
static struct agg_state *state_in(sqlite3_context *c, int size, bool create, bool **ret_started)
{
    char *p = sqlite3_aggregate_context(c, create ? size + 32 : 0);
    if (!p)
        return NULL;
    p += -(uintptr_t)p & 15;
    *ret_started = (bool *)p;
    return (struct agg_state *)(void *)(p + 16);
}

static struct agg_state *plain_state(sqlite3_context *c, const struct agg *agg, bool create)
{
    bool *started;
    struct agg_state *s = state_in(c, sizeof(struct agg_state), create, &started);
    if (s && !*started) {
        agg->init(s);
        *started = true;
    }
    return s;
}

static void agg_step(sqlite3_context *c, int n, sqlite3_value **argv)
{
    const struct registration *r = sqlite3_user_data(c);
    struct value args[FUNC_MAX_ARGS + 1];
    struct error *e = NULL;
    struct agg_state *s = plain_state(c, r->f->agg, true);
    if (!s) {
        sqlite3_result_error_nomem(c);
        return;
    }
    if (read_args(r, n, argv, args, &e))
        e = r->f->agg->step(s, args, n);
    if (e)
        give_error(c, e);
}

static void give_final(sqlite3_context *c, const struct agg *agg, struct agg_state *s)
{
    struct arena a = {0};
    struct value result = {.kind = VALUE_NULL};
    struct error *e = agg->final(s, &a, &result);
    if (e)
        give_error(c, e);
    else
        types__give(c, &result);
    arena_done(&a);
}

static void agg_final(sqlite3_context *c)
{
    const struct agg *agg = ((const struct registration *)sqlite3_user_data(c))->f->agg;
    struct agg_state *s = plain_state(c, agg, false), empty;
    if (!s) { /* no rows at all */
        agg->init(&empty);
        s = &empty;
    }
    give_final(c, agg, s);
    if (agg->done)
        agg->done(s);
}

const struct func *types__sqlite_func(const struct registration *r)
{
    return r->f;
}

bool types__sqlite_args(const struct registration *r, int n, sqlite3_value **argv,
                        struct value *args, struct error **ret_error)
{
    return read_args(r, n, argv, args, ret_error);
}

void types__sqlite_error(sqlite3_context *c, struct error *e)
{
    give_error(c, e);
}

void types__sqlite_final(sqlite3_context *c, const struct agg *agg, struct agg_state *s)
{
    give_final(c, agg, s);
}

/* ---- aggregates over a frame -------------------------------------------------------------- */

/* The rows in the frame, oldest first, with copies of their texts. */
struct frame {
    struct value *rows; /* nargs values each; owned */
    size_t first, len, cap;
    struct agg_state state; /* over all of them, unless `stale` */
    bool stale;
};

struct frame_slot {
    struct frame *frame; /* from the heap: aligned */
};

static int args_of(const struct func *f)
{
    return f->nargs + f->typed;
}

static void free_row(struct value *row, int n)
{
    for (int i = 0; i < n; i++)
        if (row[i].kind == VALUE_TEXT || row[i].kind == VALUE_BLOB)
            mem_free((char *)row[i].s.p);
}

static void frame_push(struct frame *f, const struct value *args, int n)
{
    if (f->first + f->len == f->cap) {
        if (f->first > f->len) { /* most of the room is before the first row: move down */
            memmove(f->rows, f->rows + f->first * (size_t)n, f->len * (size_t)n * sizeof(*args));
            f->first = 0;
        } else {
            f->cap = f->cap ? f->cap * 2 : 16;
            f->rows = mem_realloc(f->rows, f->cap * (size_t)n * sizeof(*args));
        }
    }
    struct value *row = f->rows + (f->first + f->len++) * (size_t)n;
    for (int i = 0; i < n; i++) {
        row[i] = args[i];
        if (row[i].kind == VALUE_TEXT || row[i].kind == VALUE_BLOB)
            row[i].s.p = mem_strndup(args[i].s.p, args[i].s.n);
    }
}

static struct frame *frame_of(sqlite3_context *c, bool create)
{
    const struct registration *r = sqlite3_user_data(c);
    struct frame_slot *slot =
        sqlite3_aggregate_context(c, create ? (int)sizeof(struct frame_slot) : 0);
    if (!slot)
        return NULL;
    if (!slot->frame && create) {
        slot->frame = NEW(struct frame);
        r->f->agg->init(&slot->frame->state);
    }
    return slot->frame;
}

static void over_step(sqlite3_context *c, int n, sqlite3_value **argv)
{
    const struct registration *r = sqlite3_user_data(c);
    struct value args[FUNC_MAX_ARGS + 1];
    struct error *e = NULL;
    struct frame *f = frame_of(c, true);
    if (!f) {
        sqlite3_result_error_nomem(c);
        return;
    }
    if (read_args(r, n, argv, args, &e)) {
        frame_push(f, args, n);
        if (!f->stale)
            e = r->f->agg->step(&f->state, args, n);
    }
    if (e)
        give_error(c, e);
}

static void over_inverse(sqlite3_context *c, int n, sqlite3_value **argv)
{
    const struct registration *r = sqlite3_user_data(c);
    struct value args[FUNC_MAX_ARGS + 1];
    struct error *e = NULL;
    struct frame *f = frame_of(c, false);
    bool counted = read_args(r, n, argv, args, &e);
    error_free(e);
    if (!f || !counted || f->len == 0)
        return;
    free_row(f->rows + f->first * (size_t)n, n);
    f->first++;
    f->len--;
    f->stale = true;
}

static struct error *frame_recompute(struct frame *f, const struct func *func)
{
    const struct agg *agg = func->agg;
    if (agg->done)
        agg->done(&f->state);
    agg->init(&f->state);
    f->stale = false;
    for (size_t i = 0; i < f->len; i++)
        TRY(agg->step(&f->state, f->rows + (f->first + i) * (size_t)args_of(func), args_of(func)));
    return NULL;
}

static void over_value(sqlite3_context *c)
{
    const struct registration *r = sqlite3_user_data(c);
    struct frame *f = frame_of(c, false);
    if (!f) {
        struct agg_state empty;
        r->f->agg->init(&empty);
        give_final(c, r->f->agg, &empty);
        if (r->f->agg->done)
            r->f->agg->done(&empty);
        return;
    }
    struct error *e = f->stale ? frame_recompute(f, r->f) : NULL;
    if (e)
        give_error(c, e);
    else
        give_final(c, r->f->agg, &f->state);
}

static void over_final(sqlite3_context *c)
{
    const struct registration *r = sqlite3_user_data(c);
    over_value(c);
    struct frame *f = frame_of(c, false);
    if (!f)
        return;
    for (size_t i = 0; i < f->len; i++)
        free_row(f->rows + (f->first + i) * (size_t)args_of(r->f), args_of(r->f));
    if (r->f->agg->done)
        r->f->agg->done(&f->state);
    mem_free(f->rows);
    mem_free(f);
    struct frame_slot *slot = sqlite3_aggregate_context(c, 0);
    slot->frame = NULL;
}

/* ---- registering -------------------------------------------------------------------------- */

/* Types kept as text that does not sort as they do. */
static const struct collation {
    const char *name;
    int (*compare)(const struct value *x, const struct value *y);
} collations[] = {{"minisql_numeric", types__numeric_compare},
                  {"minisql_interval", types__interval_compare},
                  {"minisql_inet", types__inet_compare}};

static int collate(void *collation, int n1, const void *p1, int n2, const void *p2)
{
    struct value x = value_text(p1, (size_t)n1), y = value_text(p2, (size_t)n2);
    return ((const struct collation *)collation)->compare(&x, &y);
}

static int collate_type(void *type, int n1, const void *p1, int n2, const void *p2)
{
    struct value x = value_text(p1, (size_t)n1), y = value_text(p2, (size_t)n2);
    const struct type *t = type_by_oid((uint32_t)(uintptr_t)type);
    return t && t->storage == VALUE_TEXT ? type_compare(t, &x, &y) : 0;
}

/* SQLite met a collation that it does not know: "minisql_type_<oid>" is made when it is needed. */
static void need_collation(void *unused, sqlite3 *db, int encoding, const char *name)
{
    unsigned oid = 0;
    if (sscanf(name, "minisql_type_%u", &oid) == 1 && type_by_oid(oid))
        sqlite3_create_collation(db, name, SQLITE_UTF8, (void *)(uintptr_t)oid, collate_type);
}

/*
 * SQLite 3.38 to 3.40 hash a text in a Bloom filter by its length, whatever its collation: '1.5'
 * would never find '1.50' there, though minisql_numeric calls them equal.
 */
static void no_bloom_filters(sqlite3 *db)
{
    sqlite3_test_control(SQLITE_TESTCTRL_OPTIMIZATIONS, db, BLOOM_FILTER);
}

struct error *types_register(sqlite3 *db)
{
    no_bloom_filters(db);
    pthread_once(&build_once, build);
    sqlite3_collation_needed(db, NULL, need_collation);
    int rc = SQLITE_OK;
    for (size_t i = 0; i < ARRAY_LEN(collations) && rc == SQLITE_OK; i++)
        rc = sqlite3_create_collation(db, collations[i].name, SQLITE_UTF8,
                                      (void *)(uintptr_t)&collations[i], collate);
    if (rc == SQLITE_OK)
        rc = types__register_rows(db);
    if (rc == SQLITE_OK)
        rc = types__register_set(db);
    if (rc == SQLITE_OK)
        rc = types__register_frame(db);
    for (size_t i = 0; i < n_registrations && rc == SQLITE_OK; i++) {
        struct registration *r = &registrations[i];
        int n = r->f->variadic ? -1 : r->f->nargs + r->f->typed;
        int flags = SQLITE_UTF8 | SQLITE_INNOCUOUS | (r->f->volatile_ ? 0 : SQLITE_DETERMINISTIC);
        if (r->f->kind == FUNC_ORDERED) {
            rc = types__register_sorted(db, r->f->sqlite_name, r);
            continue;
        }
        if (r->f->kind != FUNC_AGGREGATE) {
            rc = sqlite3_create_function_v2(db, r->f->sqlite_name, n, flags, r, scalar, NULL, NULL,
                                            NULL);
            continue;
        }
        rc = sqlite3_create_function_v2(db, r->f->sqlite_name, n, flags, r, NULL, agg_step,
                                        agg_final, NULL);
        if (rc == SQLITE_OK)
            rc = types__register_sorted(db, r->f->sqlite_name, r);
        if (rc == SQLITE_OK)
            rc = sqlite3_create_window_function(db, r->over_name, n, flags, r, over_step,
                                                over_final, over_value, over_inverse, NULL);
    }
    return rc == SQLITE_OK ? NULL : types_sqlite_error(db, rc);
}
