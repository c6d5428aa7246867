/*
 * Which function a name with argument types means: chapter 10 of PostgreSQL's manual, in the order
 * of its func_select_candidate(): exact match; those reachable by implicit casts; of these the ones
 * with most exact matches; with most exact or preferred types; then, for unknown literals, the
 * category that the candidates agree on (string wins); at last the assumption that an unknown has
 * the type of the known arguments.
 */
#include "types/types_int.h"

#include <pthread.h>

/* ---- the index ---------------------------------------------------------------------------- */

static const struct func_rows *const tables[] = {
    &types__system_funcs,
    &types__system_set_funcs,
    &types__int_funcs,
    &types__float_funcs,
    &types__math_funcs,
    &types__numeric_funcs,
    &types__text_funcs,
    &types__edit_funcs,
    &types__like_funcs,
    &types__compare_funcs,
    &types__agg_funcs,
    &types__numeric_aggs,
    &types__window_funcs,
    &types__datetime_funcs,
    &types__zone_funcs,
    &types__format_number_funcs,
    &types__scan_number_funcs,
    &types__scan_time_funcs,
    &types__format_time_funcs,
    &types__datetime_more_funcs,
    &types__spread_funcs,
    &types__guard_funcs,
    &types__bytea_funcs,
    &types__uuid_funcs,
    &types__crypto_funcs,
    &types__inet_funcs,
    &types__bit_string_funcs,
    &types__range_funcs,
    &types__normalize_funcs,
    &types__money_funcs,
    &types__macaddr_funcs,
    &types__timetz_funcs,
    &types__interval_funcs,
    &types__field_funcs,
    &types__regex_funcs,
    &types__notify_funcs,
    &types__sequence_funcs,
    &types__format_funcs,
    &types__stat_aggs,
    &types__degree_funcs,
    &types__bit_funcs,
    /* json: */ &types__json_funcs,
    &types__json_get_funcs,
    &types__json_edit_funcs,
    &types__json_make_funcs,
    &types__json_row_funcs,
    &types__json_populate_funcs,
    &types__json_path_funcs,
    &types__regex_sets,
    &types__array_funcs,
    &types__enum_funcs,
    &types__set_funcs,
    &types__record_funcs,
    &types__array_aggs,
    &types__ordered_aggs,
};

/* Written once by build_index(), read only afterwards. */
static const struct func **by_name; /* sorted by name, then kind */
static struct func *all_rows;
static size_t n_rows;
static pthread_once_t index_once = PTHREAD_ONCE_INIT;

static int compare_rows(const void *x, const void *y)
{
    const struct func *a = *(const struct func *const *)x, *b = *(const struct func *const *)y;
    int order = strcmp(a->name, b->name);
    if (!order)
        order = (a->kind > b->kind) - (a->kind < b->kind);
    return order ? order : (a > b) - (a < b); /* the tables' own order */
}

static void build_index(void)
{
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        n_rows += tables[t]->n;
    all_rows = mem_alloc(n_rows * sizeof(*all_rows));
    by_name = mem_alloc(n_rows * sizeof(const struct func *));
    size_t n = 0;
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        memcpy(all_rows + n, tables[t]->rows, tables[t]->n * sizeof(*all_rows));
        n += tables[t]->n;
    }
    for (size_t i = 0; i < n_rows; i++)
        by_name[i] = &all_rows[i];
    qsort(by_name, n_rows, sizeof(const struct func *), compare_rows);
}

const struct func *func_table(size_t *ret_n)
{
    pthread_once(&index_once, build_index);
    *ret_n = n_rows;
    return all_rows;
}

/* The rows of a name and kind; *ret_n of them. */
static const struct func **rows_named(const char *name, enum func_kind kind, size_t *ret_n)
{
    pthread_once(&index_once, build_index);
    size_t low = 0, high = n_rows;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(by_name[mid]->name, name);
        if (order < 0 || (order == 0 && by_name[mid]->kind < kind))
            low = mid + 1;
        else
            high = mid;
    }
    size_t end = low;
    while (end < n_rows && by_name[end]->kind == kind && strcmp(by_name[end]->name, name) == 0)
        end++;
    *ret_n = end - low;
    return by_name + low;
}

bool func_gives_record(const char *name)
{
    size_t n;
    const struct func **rows = rows_named(name, FUNC_SET, &n);
    return n && rows[0]->set->columns && rows[0]->result == OID_RECORD;
}

bool func_exists(const char *name, enum func_kind kind)
{
    size_t n;
    rows_named(name, kind, &n);
    return n > 0;
}

uint32_t func_any_as(const char *name)
{
    size_t n;
    for (enum func_kind kind = FUNC_SCALAR; kind <= FUNC_AGGREGATE; kind++) {
        const struct func **rows = rows_named(name, kind, &n);
        if (n && rows[0]->any_as)
            return rows[0]->any_as;
    }
    return 0;
}

/* ---- choosing ----------------------------------------------------------------------------- */

enum { MAX_CANDIDATES = FUNC_MAX_BOUND };

struct choice {
    const struct func *rows[MAX_CANDIDATES];
    int len;
    const uint32_t *types; /* of the call's arguments */
    int n;
};

/* The type that row `f` wants for argument i; OID_ANY beyond a variadic end repeats the last. */
static uint32_t wanted(const struct func *f, int i)
{
    return f->args[MIN(i, f->nargs - 1)];
}

static char category_of(uint32_t oid)
{
    const struct type *t = type_by_oid(oid);
    return t ? t->category : 'X';
}

static bool is_preferred(char category, uint32_t oid)
{
    const struct type *t = type_by_oid(oid);
    return t && t->preferred && t->category == category;
}

bool types__is_polymorphic(uint32_t oid)
{
    return oid == OID_ANYELEMENT || oid == OID_ANYARRAY || oid == OID_ANYNONARRAY ||
           oid == OID_ANYENUM || oid == OID_ANYRANGE || oid == OID_ANYCOMPATIBLE ||
           oid == OID_ANYCOMPATIBLEARRAY || oid == OID_ANYCOMPATIBLENONARRAY;
}

static bool may_be(uint32_t from, uint32_t polymorphic)
{
    if (from == OID_UNKNOWN)
        return true;
    switch (polymorphic) {
    case OID_ANYARRAY:
    case OID_ANYCOMPATIBLEARRAY:
        return category_of(from) == 'A';
    case OID_ANYNONARRAY:
    case OID_ANYCOMPATIBLENONARRAY:
        return category_of(from) != 'A';
    case OID_ANYENUM:
        return category_of(from) == 'E';
    case OID_ANYRANGE:
        return category_of(from) == 'R';
    default:
        return true;
    }
}

bool types__can_coerce(uint32_t from, uint32_t to)
{
    if (types__is_polymorphic(to))
        return may_be(from, to);
    return from == to || to == OID_ANY || from == OID_UNKNOWN ||
           cast_find(from, to, CAST_IMPLICIT) != NULL;
}

/* ---- polymorphic types -------------------------------------------------------------------- */

/* What the two families of a row stand for in a call; 0: not known (yet). */
struct meaning {
    uint32_t element, array; /* anyelement and its like; anyarray */
    uint32_t range;          /* anyrange */
    uint32_t common;         /* anycompatible */
    bool used, compatible;   /* the row has such types */
};

static bool agree(uint32_t *known, uint32_t type)
{
    if (*known && *known != type)
        return false;
    *known = type;
    return true;
}

/* The type that both may be cast to, as select_common_type() finds it. */
static bool widen(uint32_t *common, uint32_t type)
{
    if (!*common || *common == type) {
        *common = type;
        return true;
    }
    if (category_of(*common) != category_of(type))
        return false;
    if (!is_preferred(category_of(*common), *common) && cast_find(*common, type, CAST_IMPLICIT) &&
        !cast_find(type, *common, CAST_IMPLICIT))
        *common = type;
    return *common == type || cast_find(type, *common, CAST_IMPLICIT);
}

static bool note(struct meaning *m, uint32_t declared, uint32_t type)
{
    const struct type *t = type_by_oid(type);
    bool known = type != OID_UNKNOWN;
    switch (declared) {
    case OID_ANYELEMENT:
    case OID_ANYNONARRAY:
    case OID_ANYENUM:
        m->used = true;
        return !known || agree(&m->element, type);
    case OID_ANYARRAY:
        m->used = true;
        return !known || agree(&m->array, type);
    case OID_ANYRANGE:
        m->used = true;
        return !known || agree(&m->range, type);
    case OID_ANYCOMPATIBLE:
    case OID_ANYCOMPATIBLENONARRAY:
        m->compatible = true;
        return !known || widen(&m->common, type);
    case OID_ANYCOMPATIBLEARRAY:
        m->compatible = true;
        return !known || (t && widen(&m->common, t->element));
    default:
        return true;
    }
}

/* False: the arguments contradict each other. */
static bool find_meaning(const struct func *f, const uint32_t *types, int n, struct meaning *ret)
{
    struct meaning m = {0};
    for (int i = 0; i < n; i++)
        if (!note(&m, wanted(f, i), types[i]))
            return false;
    if (m.array) {
        const struct type *array = type_by_oid(m.array);
        if (!array || !agree(&m.element, array->element))
            return false;
    }
    if (m.range && !agree(&m.element, type_range_subtype(m.range)))
        return false;
    *ret = m;
    return true;
}

static uint32_t array_of(uint32_t element)
{
    const struct type *t = type_by_oid(element);
    return t ? t->array : 0;
}

/* The type that `declared` stands for; 0: there is none. */
static uint32_t bound(const struct meaning *m, uint32_t declared)
{
    switch (declared) {
    case OID_ANYELEMENT:
    case OID_ANYNONARRAY:
    case OID_ANYENUM:
        return m->element;
    case OID_ANYARRAY:
        return m->array ? m->array : array_of(m->element);
    case OID_ANYRANGE:
        return m->range;
    case OID_ANYCOMPATIBLE:
    case OID_ANYCOMPATIBLENONARRAY:
        return m->common;
    case OID_ANYCOMPATIBLEARRAY:
        return array_of(m->common);
    default:
        return declared;
    }
}

static struct error *bind_type(const struct meaning *m, uint32_t declared, uint32_t *ret)
{
    *ret = bound(m, declared);
    if (*ret)
        return NULL;
    uint32_t element = declared == OID_ANYCOMPATIBLEARRAY ? m->common : m->element;
    if (element && declared != OID_ANYRANGE)
        return error_new(E_UNDEFINED_OBJECT, "could not find array type for data type %s",
                         type_by_oid(element)->sql_name);
    return error_new(E_TYPE_MISMATCH,
                     "could not determine polymorphic type because input has type unknown");
}

struct error *func_bind(const struct func *f, const uint32_t *types, int n, struct binding *ret)
{
    struct meaning m;
    if (!find_meaning(f, types, n, &m))
        return error_new(E_TYPE_MISMATCH, "arguments of function %s are not all alike", f->name);
    if (m.compatible && !m.common) /* nothing but literals */
        m.common = OID_TEXT;
    for (int i = 0; i < n; i++)
        TRY(bind_type(&m, wanted(f, i), &ret->args[i]));
    TRY(bind_type(&m, f->result, &ret->result));
    for (int i = 0; f->set && f->set->columns && i < f->set->n_columns; i++)
        TRY(bind_type(&m, f->set->columns[i].type, &ret->columns[i]));
    ret->hidden = m.used ? m.element : m.compatible ? m.common : n ? types[0] : 0;
    return NULL;
}

/* ---- choosing among rows ------------------------------------------------------------------ */

static bool takes(const struct func *f, int n)
{
    return f->variadic ? n >= f->nargs : n == f->nargs;
}

static bool reachable(const struct func *f, const uint32_t *types, int n)
{
    for (int i = 0; i < n; i++)
        if (!types__can_coerce(types[i], wanted(f, i)))
            return false;
    struct meaning m;
    return find_meaning(f, types, n, &m);
}

static bool exact(const struct func *f, const uint32_t *types, int n)
{
    for (int i = 0; i < n; i++)
        if (wanted(f, i) != types[i])
            return false;
    return true;
}

static int count_exact(const struct choice *c, const struct func *f, bool or_preferred)
{
    int matches = 0;
    for (int i = 0; i < c->n; i++) {
        if (c->types[i] == OID_UNKNOWN)
            continue;
        uint32_t want = wanted(f, i);
        if (want == c->types[i] || (or_preferred && is_preferred(category_of(c->types[i]), want)))
            matches++;
    }
    return matches;
}

static void keep_best(struct choice *c, bool or_preferred)
{
    int best = 0, len = 0;
    for (int i = 0; i < c->len; i++)
        best = MAX(best, count_exact(c, c->rows[i], or_preferred));
    for (int i = 0; i < c->len; i++)
        if (count_exact(c, c->rows[i], or_preferred) == best)
            c->rows[len++] = c->rows[i];
    c->len = len;
}

/* The category that all candidates expect at an unknown argument, or string where one of them does;
 * 0 when they disagree. */
static char agreed_category(const struct choice *c, int arg, bool *ret_preferred)
{
    char category = category_of(wanted(c->rows[0], arg));
    bool preferred = is_preferred(category, wanted(c->rows[0], arg)), conflict = false;
    for (int i = 1; i < c->len; i++) {
        uint32_t want = wanted(c->rows[i], arg);
        char other = category_of(want);
        if (other == category) {
            preferred |= is_preferred(other, want);
        } else if (other == 'S') {
            category = other;
            preferred = is_preferred(other, want);
        } else {
            conflict = true;
        }
    }
    *ret_preferred = preferred;
    return conflict && category != 'S' ? 0 : category;
}

static void keep_categories(struct choice *c)
{
    char categories[MAX_CANDIDATES];
    bool preferred[MAX_CANDIDATES];
    for (int i = 0; i < c->n; i++) {
        categories[i] = 0;
        if (c->types[i] == OID_UNKNOWN && !(categories[i] = agreed_category(c, i, &preferred[i])))
            return;
    }
    int len = 0;
    const struct func *kept[MAX_CANDIDATES];
    for (int r = 0; r < c->len; r++) {
        bool fits = true;
        for (int i = 0; i < c->n && fits; i++) {
            uint32_t want = wanted(c->rows[r], i);
            if (categories[i] && (category_of(want) != categories[i] ||
                                  (preferred[i] && !is_preferred(categories[i], want))))
                fits = false;
        }
        if (fits)
            kept[len++] = c->rows[r];
    }
    if (len) {
        memcpy(c->rows, kept, (size_t)len * sizeof(kept[0]));
        c->len = len;
    }
}

/* All known arguments have one type: let the unknown ones have it too. */
static void assume_known(struct choice *c)
{
    uint32_t known = OID_UNKNOWN, types[MAX_CANDIDATES];
    for (int i = 0; i < c->n; i++) {
        if (c->types[i] == OID_UNKNOWN)
            continue;
        if (known != OID_UNKNOWN && known != c->types[i])
            return;
        known = c->types[i];
    }
    if (known == OID_UNKNOWN)
        return;
    for (int i = 0; i < c->n; i++)
        types[i] = known;
    const struct func *last = NULL;
    int hits = 0;
    for (int i = 0; i < c->len; i++)
        if (reachable(c->rows[i], types, c->n)) {
            last = c->rows[i];
            hits++;
        }
    if (hits == 1) {
        c->rows[0] = last;
        c->len = 1;
    }
}

static void narrow(struct choice *c)
{
    keep_best(c, false);
    if (c->len > 1)
        keep_best(c, true);
    bool unknowns = false;
    for (int i = 0; i < c->n; i++)
        unknowns |= c->types[i] == OID_UNKNOWN;
    if (c->len > 1 && unknowns)
        keep_categories(c);
    if (c->len > 1 && unknowns)
        assume_known(c);
}

/* ---- errors ------------------------------------------------------------------------------- */

static const char *message_name(uint32_t oid)
{
    const struct type *t = type_by_oid(oid);
    return t ? t->sql_name : "???";
}

static void print_call(struct buf *b, const char *name, enum func_kind kind, const uint32_t *types,
                       int n)
{
    if (kind == FUNC_OPERATOR) {
        if (n == 2)
            buf_printf(b, "%s ", message_name(types[0]));
        buf_printf(b, "%s %s", name, message_name(types[n - 1]));
        return;
    }
    buf_printf(b, "%s(", name);
    for (int i = 0; i < n; i++)
        buf_printf(b, "%s%s", i ? ", " : "", message_name(types[i]));
    buf_puts(b, ")");
}

static struct error *not_found(const char *name, enum func_kind kind, const uint32_t *types, int n)
{
    _cleanup_(buf_done) struct buf call = {0};
    print_call(&call, name, kind, types, n);
    bool op = kind == FUNC_OPERATOR;
    bool one = op && n == 1;
    return error_hint(op ? error_new(E_UNDEFINED_FUNCTION, "operator does not exist: %s", call.data)
                         : error_new(E_UNDEFINED_FUNCTION, "function %s does not exist", call.data),
                      "No %s matches the given name and argument type%s. You might need to add %s.",
                      op ? "operator" : "function", one ? "" : "s",
                      one ? "an explicit type cast" : "explicit type casts");
}

static struct error *ambiguous(const char *name, enum func_kind kind, const uint32_t *types, int n)
{
    _cleanup_(buf_done) struct buf call = {0};
    print_call(&call, name, kind, types, n);
    struct error *e = kind == FUNC_OPERATOR
                          ? error_new("42725", "operator is not unique: %s", call.data)
                          : error_new("42725", "function %s is not unique", call.data);
    return error_hint(e,
                      "Could not choose a best candidate %s. You might need to add explicit type "
                      "casts.",
                      kind == FUNC_OPERATOR ? "operator" : "function");
}

/* ---- the entry ---------------------------------------------------------------------------- */

static const struct func *find_exact(const struct func **rows, size_t n_named,
                                     const uint32_t *types, int n)
{
    for (size_t i = 0; i < n_named; i++)
        if (takes(rows[i], n) && exact(rows[i], types, n))
            return rows[i];
    return NULL;
}

/* An operator with one unknown side: first try the other side's type for it. */
static const struct func *find_mirrored(const struct func **rows, size_t n_named,
                                        const uint32_t *types, int n)
{
    if (n != 2 || (types[0] == OID_UNKNOWN) == (types[1] == OID_UNKNOWN))
        return NULL;
    uint32_t known = types[0] == OID_UNKNOWN ? types[1] : types[0];
    return find_exact(rows, n_named, (uint32_t[]){known, known}, 2);
}

/* '1' + '2' is not unique in PostgreSQL, since intervals have these operators too, and so has
 * date + '1'; it must not mean something here that it stops to mean when those types come. */
static bool needs_a_type(const char *name, const uint32_t *types, int n)
{
    bool date = false;
    for (int i = 0; i < n; i++) {
        date |= types[i] == OID_DATE;
        if (types[i] != OID_UNKNOWN && types[i] != OID_DATE)
            return false;
    }
    return strlen(name) == 1 && strchr(date ? "+" : n == 1 ? "-" : "+-*/", *name);
}

struct error *func_resolve(const char *name, enum func_kind kind, const uint32_t *types, int n,
                           const struct func **ret)
{
    size_t n_named;
    if (kind == FUNC_OPERATOR && strcmp(name, "!=") == 0)
        name = "<>";
    const struct func **rows = rows_named(name, kind, &n_named);
    if (n > FUNC_MAX_BOUND)
        return error_new("54023", "cannot pass more than %d arguments to a function",
                         MAX_CANDIDATES);
    const struct func *found = find_exact(rows, n_named, types, n);
    if (!found && kind == FUNC_OPERATOR)
        found = find_mirrored(rows, n_named, types, n);
    if (found) {
        *ret = found;
        return NULL;
    }
    struct choice c = {.types = types, .n = n};
    for (size_t i = 0; i < n_named && c.len < MAX_CANDIDATES; i++)
        if (takes(rows[i], n) && reachable(rows[i], types, n))
            c.rows[c.len++] = rows[i];
    if (c.len == 0)
        return not_found(name, kind, types, n);
    if (kind == FUNC_OPERATOR && needs_a_type(name, types, n))
        return ambiguous(name, kind, types, n);
    if (c.len > 1)
        narrow(&c);
    if (c.len > 1)
        return ambiguous(name, kind, types, n);
    *ret = c.rows[0];
    return NULL;
}
