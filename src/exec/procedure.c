/*
 * Procedures: what an operator asks for with CALL, and the shell's commands ask for so.
 *
 *   minisql_move(table, from, to)    moves the copy of a table's region to another server. It
 * returns when that is decided; minisql_regions shows how it goes on.
 *
 *   minisql_drain(server), minisql_undrain(server)    the server is to hold nothing from now on, or
 * may hold something again. The store remembers it; the master does the rest.
 */
#include "exec/exec_int.h"

enum { BUSY_MS = 5000, BUSY_PAUSE_MS = 50 };

static struct error *no_such_server(const char *name)
{
    return error_hint(error_new(E_UNDEFINED_OBJECT, "server \"%s\" is not up", name),
                      "minisql_servers lists the servers.");
}

static bool is_member(const struct region *r, const char *server)
{
    bool is = strcmp(r->primary, server) == 0;
    for (int i = 0; i < r->n_backups; i++)
        is |= strcmp(r->backups[i], server) == 0;
    for (int i = 0; i < r->n_learners; i++)
        is |= strcmp(r->learners[i], server) == 0;
    return is;
}

static struct error *check_move(const struct catalog_view *v, const struct table *t,
                                const struct region *r, const char *from, const char *to)
{
    const struct server *target = catalog_server(v, to);
    if (!target)
        return no_such_server(to);
    if (!target->region)
        return error_new("55000", "server \"%s\" holds no data: it has not the role region", to);
    if (catalog_is_drained(v, to))
        return error_hint(error_new("55000", "server \"%s\" is drained", to),
                          "CALL minisql_undrain('%s') takes it into use again.", to);
    if (!is_member(r, from))
        return error_hint(
            error_new("55000", "server \"%s\" has no copy of table \"%s\"", from, t->name),
            "minisql_tables shows who has.");
    if (is_member(r, to))
        return error_new("55000", "server \"%s\" has a copy of table \"%s\" already", to, t->name);
    if (r->leaving || r->n_learners)
        return error_hint(error_new("55006", "another copy of table \"%s\" is being made", t->name),
                          "minisql_regions shows its progress; try again when it is complete.");
    return NULL;
}

/* "t" of schema public, or "schema.t" */
static const struct table *table_named(const struct catalog_view *v, const char *name)
{
    const struct table *t = catalog_table(v, "public", name);
    const char *point = strchr(name, '.');
    if (t || !point)
        return t;
    _cleanup_(mem_freep) char *schema = mem_strndup(name, (size_t)(point - name));
    return catalog_table(v, schema, point + 1);
}

static struct error *plan_move(const struct catalog_view *v, const char *const *args,
                               uint64_t *ret_region)
{
    const struct table *t = table_named(v, args[0]);
    if (!t)
        return error_new(E_UNDEFINED_TABLE, "relation \"%s\" does not exist", args[0]);
    const struct region *r = catalog_region(v, t->region);
    if (!r)
        return error_new(E_UNAVAILABLE, "table \"%s\" has no region just now", args[0]);
    *ret_region = r->id;
    return check_move(v, t, r, args[1], args[2]);
}

/* Until the region's record says so: only then is it decided. */
static struct error *await_member(struct exec *e, uint64_t region, const char *server)
{
    for (uint64_t deadline = clock_ms() + BUSY_MS; clock_ms() < deadline; sleep_ms(BUSY_PAUSE_MS)) {
        const struct catalog_view *v = catalog_view(e->catalog);
        const struct region *r = catalog_region(v, region);
        bool done = !r || is_member(r, server);
        catalog_unref(v);
        if (done)
            return NULL;
    }
    return error_hint(error_new(E_UNAVAILABLE, "the move is not decided yet"),
                      "The coordination store does not answer. Look at minisql_regions later, and "
                      "ask again if server \"%s\" is not among the learners.",
                      server);
}

/* The region's config may be changing for another reason: that takes a moment. */
static struct error *move(struct exec_session *s, const char *const *args)
{
    uint64_t deadline = clock_ms() + BUSY_MS;
    for (;;) {
        uint64_t region = 0;
        TRY(catalog_refresh(s->exec->catalog, BUSY_MS));
        const struct catalog_view *v = catalog_view(s->exec->catalog);
        struct error *e = plan_move(v, args, &region);
        catalog_unref(v);
        TRY(e);
        e = exec__ask_primary(
            s->exec, region,
            mem_printf("MOVE %llu %s %s", (unsigned long long)region, args[1], args[2]));
        if (!e)
            return await_member(s->exec, region, args[2]);
        if (!error_is(e, "55006") || clock_ms() >= deadline)
            return e;
        error_free(e);
        sleep_ms(BUSY_PAUSE_MS);
    }
}

/* ---- drained servers ------------------------------------------------------------------------- */

static bool is_known(const struct catalog_view *v, const char *server)
{
    bool known = catalog_server(v, server) != NULL;
    for (size_t i = 0; i < v->n_regions && !known; i++)
        known = is_member(v->regions[i], server);
    return known;
}

static bool others_are_left(const struct catalog_view *v, const char *server)
{
    for (size_t i = 0; i < v->n_servers; i++) {
        const struct server *other = v->servers[i];
        if (other->region && strcmp(other->name, server) != 0 &&
            !catalog_is_drained(v, other->name))
            return true;
    }
    return false;
}

static struct error *check_drain(const struct catalog_view *v, const char *server)
{
    if (!is_known(v, server))
        return no_such_server(server);
    if (!others_are_left(v, server))
        return error_hint(
            error_new("55000", "server \"%s\" is the last one that may hold tables", server),
            "Start or undrain another one first.");
    return NULL;
}

static struct error *drain(struct exec_session *s, const char *const *args)
{
    const struct catalog_view *v = catalog_view(s->exec->catalog);
    struct error *e = check_drain(v, args[0]);
    catalog_unref(v);
    return e ? e : catalog_set_drained(s->exec->catalog, args[0], true);
}

static struct error *undrain(struct exec_session *s, const char *const *args)
{
    const struct catalog_view *v = catalog_view(s->exec->catalog);
    bool drained = catalog_is_drained(v, args[0]);
    catalog_unref(v);
    if (!drained)
        return error_hint(error_new(E_UNDEFINED_OBJECT, "server \"%s\" is not drained", args[0]),
                          "minisql_servers shows who is.");
    return catalog_set_drained(s->exec->catalog, args[0], false);
}

struct error *exec_call(struct exec_session *s, const char *name, const char *const *args, int n)
{
    static const struct {
        const char *name, *usage;
        int n;
        struct error *(*run)(struct exec_session *s, const char *const *args);
    } procedures[] = {{"minisql_move", "minisql_move(table, from server, to server)", 3, move},
                      {"minisql_drain", "minisql_drain(server)", 1, drain},
                      {"minisql_undrain", "minisql_undrain(server)", 1, undrain}};
    for (size_t i = 0; i < ARRAY_LEN(procedures); i++) {
        if (strcmp(procedures[i].name, name) != 0)
            continue;
        if (procedures[i].n == n)
            return procedures[i].run(s, args);
        return error_hint(
            error_new(E_UNDEFINED_FUNCTION, "procedure %s does not take %d arguments", name, n),
            "CALL %s", procedures[i].usage);
    }
    return error_hint(error_new(E_UNDEFINED_FUNCTION, "procedure %s does not exist", name),
                      "There are only MiniSQL's own, such as minisql_move(table, from, to).");
}
