/*
 * System functions that tools ask: what an object is called, who waits for whom, what an access
 * method can, what this server is and is not. There are no replicas that recover, no triggers and
 * no just-in-time compiler: what tells of them gives what PostgreSQL gives without them.
 */
#include "exec/system.h"

#include <strings.h>

#define FUNCTION(name)                                                                             \
    struct error *exec__##name(const struct value *v, int n, struct arena *a, struct value *ret)

static struct error *no_session(void)
{
    return error_new(E_UNSUPPORTED, "this function needs a session");
}

static const struct value null_value = {.kind = VALUE_NULL};

static struct value int_value(int64_t i)
{
    return (struct value){.kind = VALUE_INT, .i = i};
}

static struct value text_value(const char *s, struct arena *a)
{
    size_t n = strlen(s);
    return (struct value){.kind = VALUE_TEXT, .s = {arena_strndup(a, s, n), n}};
}

static bool is_word(const struct value *v, const char *word)
{
    return v->s.n == strlen(word) && strncasecmp(v->s.p, word, v->s.n) == 0;
}

/* ---- transactions -----------------------------------------------------------------------------
 */

/*
 * A transaction has a number from when it asks for it. Numbers rise at each server, from one that
 * is made of the clock when it starts; the last bits tell servers apart.
 */
static int64_t next_number(struct exec *e)
{
    enum { SERVER_BITS = 11, SERVER_SHIFT = 20 };
    uint64_t count = atomic_fetch_add(&e->numbered, 1) + (uint64_t)e->started;
    return (int64_t)(count << SERVER_BITS | exec_pid_base(e) >> SERVER_SHIFT);
}

FUNCTION(transaction_number)
{
    struct exec_session *s = exec__attended();
    if (!s || !s->run)
        return no_session();
    int64_t *number = s->in_transaction ? &s->number : &s->run->number;
    if (!*number)
        *number = next_number(s->exec);
    *ret = int_value(*number);
    return NULL;
}

FUNCTION(transaction_number_if_any)
{
    struct exec_session *s = exec__attended();
    if (!s || !s->run)
        return no_session();
    int64_t number = s->in_transaction ? s->number : s->run->number;
    *ret = number ? int_value(number) : null_value;
    if (!number && s->n_held)
        return exec__transaction_number(v, n, a, ret);
    return NULL;
}

/* No row here is older than any other: xid 3 is all there is. */
FUNCTION(xid_age)
{
    enum { FIRST_NORMAL = 3 };
    *ret =
        int_value(v[0].i < FIRST_NORMAL ? INT32_MAX : (int32_t)(FIRST_NORMAL - (uint32_t)v[0].i));
    return NULL;
}

/* ---- who waits for whom ------------------------------------------------------------------------
 */

struct entry {
    int64_t database, class, object, kind, pid;
    bool exclusive, granted;
};

struct entries {
    int n, cap;
    struct entry *items;
};

/* See exec__advisory_list() */
static struct error *take_entry(void *ctx, const struct value *v, int n)
{
    struct entries *all = ctx;
    if (n != EXEC__N_ADVISORY)
        return error_new(E_PROTOCOL, "malformed list of locks");
    if (all->n == all->cap) {
        all->cap = MAX(16, all->cap * 2);
        all->items = mem_realloc(all->items, sizeof(*all->items) * (size_t)all->cap);
    }
    all->items[all->n++] = (struct entry){v[0].i, v[1].i, v[2].i, v[3].i, v[4].i, v[5].i, v[6].i};
    return NULL;
}

static bool same_lock(const struct entry *x, const struct entry *y)
{
    return x->database == y->database && x->class == y->class && x->object == y->object &&
           x->kind == y->kind;
}

/* Does y keep x, which waits, from its lock: by holding it, or as an earlier waiter? */
static bool blocks(const struct entries *all, const struct entry *y, const struct entry *x)
{
    bool ahead = y->granted || y < x;
    return y->pid != x->pid && same_lock(x, y) && (x->exclusive || y->exclusive) && ahead &&
           all->n > 0;
}

FUNCTION(blocking_pids)
{
    struct exec_session *s = exec__attended();
    struct entries all = {0};
    _cleanup_(buf_done) struct buf b = {0};
    if (!s)
        return no_session();
    struct error *e = exec__advisory_list(s, false, take_entry, &all);
    buf_puts(&b, "{");
    for (int i = 0; !e && i < all.n; i++)
        for (int k = 0; k < all.n && all.items[i].pid == v[0].i && !all.items[i].granted; k++)
            if (blocks(&all, &all.items[k], &all.items[i]))
                buf_printf(&b, "%s%lld", b.len > 1 ? "," : "", (long long)all.items[k].pid);
    buf_puts(&b, "}");
    mem_free(all.items);
    TRY(e);
    *ret = text_value(b.data, a);
    return NULL;
}

FUNCTION(empty_array)
{
    *ret = text_value("{}", a);
    return NULL;
}

/* ---- objects ------------------------------------------------------------------------------------
 */

enum {
    IN_TYPE = 1247,
    IN_PROC = 1255,
    IN_CLASS = 1259,
    IN_ROLE = 1260,
    IN_CONSTRAINT = 2606,
    IN_NAMESPACE = 2615,
};

static const char *relation_word(const struct exec__object *o)
{
    switch (o->kind) {
    case OBJECT_VIEW:
        return "view";
    case OBJECT_SEQUENCE:
        return "sequence";
    case OBJECT_INDEX:
        return "index";
    default:
        return o->table->query ? "materialized view" : "table";
    }
}

static void put_relation(const struct exec__object *o, struct buf *out)
{
    buf_printf(out, "%s ", relation_word(o));
    exec__print_relation(exec__attended(), exec__objects_now(exec__attended()), o->table->schema,
                         exec__object_name(o), false, out);
}

static void put_column(const struct exec__object *o, int64_t column, struct buf *out)
{
    buf_puts(out, "column ");
    sql_quote_identifier(o->table->columns[column - 1].name, out);
    buf_puts(out, " of ");
    put_relation(o, out);
}

static bool describe_relation(const struct exec__object *o, int64_t part, struct buf *out)
{
    if (!o || !exec__is_relation(o) || part < 0 || part > o->table->n_columns)
        return false;
    if (part)
        put_column(o, part, out);
    else
        put_relation(o, out);
    return true;
}

static bool describe_constraint(const struct exec__object *o, struct buf *out)
{
    if (!o || (o->kind != OBJECT_KEY && o->kind != OBJECT_CHECK && o->kind != OBJECT_FOREIGN_KEY))
        return false;
    const struct exec__object table = {.kind = OBJECT_TABLE, .table = o->table};
    buf_puts(out, "constraint ");
    sql_quote_identifier(exec__object_name(o), out);
    buf_puts(out, " on ");
    put_relation(&table, out);
    return true;
}

/* What a type, a schema, a function, a role is called by the reg.. type that prints it. */
static bool describe_by_name(uint32_t class, uint32_t oid, struct buf *out)
{
    static const struct {
        uint32_t class, reg;
        const char *word;
    } kinds[] = {{IN_TYPE, OID_REGTYPE, "type"},
                 {IN_NAMESPACE, OID_REGNAMESPACE, "schema"},
                 {IN_PROC, OID_REGPROCEDURE, "function"},
                 {IN_ROLE, OID_REGROLE, "role"}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].class != class)
            continue;
        const struct value v = int_value(oid);
        _cleanup_(buf_done) struct buf shown = {0};
        type_print(type_by_oid(kinds[i].reg), &v, -1, &shown);
        if (!shown.len || (*shown.data >= '0' && *shown.data <= '9'))
            return false;
        buf_printf(out, "%s %.*s", kinds[i].word, (int)shown.len, shown.data);
        return true;
    }
    return false;
}

FUNCTION(describe_object)
{
    _cleanup_(buf_done) struct buf b = {0};
    struct exec__objects *all = exec__objects_now(exec__attended());
    *ret = null_value;
    if (!all)
        return no_session();
    uint32_t class = (uint32_t)v[0].i, oid = (uint32_t)v[1].i;
    const struct exec__object *o = exec__object(all, oid);
    bool known = class == IN_CLASS        ? describe_relation(o, v[2].i, &b)
                 : class == IN_CONSTRAINT ? describe_constraint(o, &b)
                                          : describe_by_name(class, oid, &b);
    if (known)
        *ret = text_value(b.data, a);
    return NULL;
}

FUNCTION(file_node)
{
    const struct exec__object *o =
        exec__objects_now(exec__attended())
            ? exec__object(exec__objects_now(exec__attended()), (uint32_t)v[0].i)
            : NULL;
    *ret = o && exec__is_relation(o) && o->kind != OBJECT_VIEW ? int_value(v[0].i) : null_value;
    return NULL;
}

FUNCTION(my_temp_schema)
{
    struct exec_session *s = exec__attended();
    struct exec__objects *all = exec__objects_now(s);
    bool there = all && exec_temp_text(s);
    *ret = int_value(there ? exec__namespace_oid(exec__objects_view(all), CATALOG_TEMP_SCHEMA) : 0);
    return NULL;
}

/* ---- access methods
 * ------------------------------------------------------------------------------ */

struct property {
    const char *name;
    bool value;
};

static struct value property(const struct property *all, size_t n, const struct value *name)
{
    for (size_t i = 0; i < n; i++)
        if (is_word(name, all[i].name))
            return int_value(all[i].value);
    return null_value;
}

FUNCTION(method_property)
{
    const uint32_t am = v[0].i > 0 && v[0].i <= UINT32_MAX ? (uint32_t)v[0].i : 0;
    bool several = am != AM_HASH && am != AM_SPGIST, ordered = am == AM_BTREE;
    bool includes = am == AM_BTREE || am == AM_GIST || am == AM_SPGIST;
    const struct property all[] = {{"can_order", ordered},
                                   {"can_unique", ordered},
                                   {"can_multi_col", several},
                                   {"can_exclude", am != AM_GIN && am != AM_BRIN},
                                   {"can_include", includes}};
    bool known = access_method_by_name(access_method_name(am)) == am;
    *ret = known ? property(all, ARRAY_LEN(all), &v[1]) : null_value;
    return NULL;
}

/* NULL: no index */
static const struct exec__object *index_of(const struct value *oid)
{
    struct exec__objects *all = exec__objects_now(exec__attended());
    const struct exec__object *o = all ? exec__object(all, (uint32_t)oid->i) : NULL;
    return o && o->kind == OBJECT_INDEX ? o : NULL;
}

FUNCTION(index_property)
{
    static const struct property all[] = {{"clusterable", true},
                                          {"index_scan", true},
                                          {"bitmap_scan", true},
                                          {"backward_scan", true}};
    *ret = index_of(&v[0]) ? property(all, ARRAY_LEN(all), &v[1]) : null_value;
    return NULL;
}

/* An included column is only returned. */
FUNCTION(index_column_property)
{
    const struct exec__object *o = index_of(&v[0]);
    struct exec__index x;
    *ret = null_value;
    if (!o || !exec__index(o->table, o->part, &x) || v[1].i < 1 ||
        v[1].i > x.n_columns + x.n_included)
        return NULL;
    bool key = v[1].i <= x.n_columns;
    bool descending = key && x.descending && x.descending[v[1].i - 1];
    bool nulls_first = key && (x.nulls_first ? x.nulls_first[v[1].i - 1] : descending);
    static const struct property of_included[] = {
        {"orderable", false}, {"distance_orderable", false}, {"returnable", true}};
    const struct property of_key[] = {
        {"asc", !descending},         {"desc", descending},   {"nulls_first", nulls_first},
        {"nulls_last", !nulls_first}, {"orderable", true},    {"distance_orderable", false},
        {"returnable", true},         {"search_array", true}, {"search_nulls", true}};
    *ret = key ? property(of_key, ARRAY_LEN(of_key), &v[2])
               : property(of_included, ARRAY_LEN(of_included), &v[2]);
    return NULL;
}

/* ---- the server
 * ------------------------------------------------------------------------------------ */

static struct error *address(bool server, bool port, struct arena *a, struct value *ret)
{
    struct exec_session *s = exec__attended();
    const char *host;
    int number;
    *ret = null_value;
    if (!s || !s->io.address || !s->io.address(s->io.ctx, server, a, &host, &number))
        return NULL;
    *ret = int_value(number);
    return port ? NULL : type_parse(type_by_oid(OID_INET), host, strlen(host), -1, a, ret);
}

FUNCTION(current_query)
{
    struct exec_session *s = exec__attended();
    const char *text = s && s->io.query ? s->io.query(s->io.ctx) : NULL;
    *ret = text ? text_value(text, a) : null_value;
    return NULL;
}

FUNCTION(client_address)
{
    return address(false, false, a, ret);
}

FUNCTION(client_port)
{
    return address(false, true, a, ret);
}

FUNCTION(server_address)
{
    return address(true, false, a, ret);
}

FUNCTION(server_port)
{
    return address(true, true, a, ret);
}

FUNCTION(not_in_recovery)
{
    return error_hint(error_new("55000", "recovery is not in progress"),
                      "Recovery control functions can only be executed during recovery.");
}

/* Of PostgreSQL's encodings, by number. */
FUNCTION(encoding_length)
{
    static const int lengths[] = {1, 3, 3, 3, 4, 3, 4, 4};
    enum { LAST_ONE_BYTE = 34 };
    bool known = v[0].i >= 0 && v[0].i <= LAST_ONE_BYTE;
    *ret =
        known ? int_value(v[0].i < (int64_t)ARRAY_LEN(lengths) ? lengths[v[0].i] : 1) : null_value;
    return NULL;
}

FUNCTION(live_rows)
{
    struct exec_session *s = exec__attended();
    struct exec__objects *all = exec__objects_now(s);
    const struct exec__object *o = all ? exec__object(all, (uint32_t)v[0].i) : NULL;
    bool ours = o && o->kind == OBJECT_TABLE && o->table->id && o->table->region;
    *ret = int_value(ours ? MAX(exec__row_count(s->exec, o->table), (int64_t)0) : 0);
    return NULL;
}

FUNCTION(zero)
{
    *ret = int_value(0);
    return NULL;
}

FUNCTION(zero_real)
{
    *ret = (struct value){.kind = VALUE_REAL};
    return NULL;
}

/* "1.5 GB" in bytes */
FUNCTION(size_bytes)
{
    static const struct {
        const char *unit;
        int shift;
    } units[] = {{"bytes", 0}, {"kb", 10}, {"mb", 20}, {"gb", 30}, {"tb", 40}, {"pb", 50}};
    const char *text = arena_strndup(a, v[0].s.p, v[0].s.n), *p = text + strspn(text, " \t\n");
    char *end;
    long double size = strtold(p, &end);
    bool plain = strspn(p, "+-.0123456789eE") >= (size_t)(end - p) && end > p;
    const char *unit = end + strspn(end, " \t\n");
    size_t len = strcspn(unit, " \t\n");
    int shift = len ? -1 : 0;
    for (size_t i = 0; i < ARRAY_LEN(units) && len; i++)
        if (strlen(units[i].unit) == len && strncasecmp(units[i].unit, unit, len) == 0)
            shift = units[i].shift;
    if (!plain)
        return error_new("22023", "invalid size: \"%s\"", text);
    if (shift < 0 || unit[len + strspn(unit + len, " \t\n")])
        return error_hint(error_detail(error_new("22023", "invalid size: \"%s\"", text),
                                       "Invalid size unit: \"%.*s\".", (int)strlen(unit), unit),
                          "Valid units are \"bytes\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".");
    size *= (long double)(INT64_C(1) << shift);
    if (!(size < 0x1p63L && size >= -0x1p63L))
        return error_new(E_OUT_OF_RANGE, "bigint out of range");
    *ret = int_value((int64_t)(size < 0 ? size - 0.5L : size + 0.5L));
    return NULL;
}
