/*
 * EXISTS (SELECT .. FROM d WHERE d.x = o.x AND ..), of a query that looks at every row of o.
 *
 * SQLite runs it anew for each of these rows. Where no index finds d's rows, that is a scan each
 * time, and it is cheaper to make a set of the keys once:
 *
 *   ifnull(o.x IN (SELECT d.x FROM d WHERE ..), 0)
 *
 * which is what it says when the rest of the subquery mentions nothing of o: it is true where a row
 * of d has o's key, and neither side is NULL. A conjunct that mentions nothing of d is tested
 * beside.
 */
#include "emit_int.h"
#include "raw.h"

enum { MAX_KEYS = 16 };

struct semijoin {
    const struct select *s;
    int n_keys, n_rest, n_beside;
    struct expr *outer[MAX_KEYS], *inner[MAX_KEYS];
    struct expr **rest, **beside; /* conjuncts */
};

/* ---- whose columns ----------------------------------------------------------------------------
 */

struct sides {
    const struct select *s;
    bool inner, outer, other; /* other: what is not the same each time, or of another level */
};

static bool is_within(const struct select *at, const struct select *s)
{
    while (at && at != s)
        at = at->parent;
    return at != NULL;
}

static bool find_sides(void *ctx, const struct expr *e)
{
    struct sides *x = ctx;
    const struct select *owner = e->kind == EXPR_COLUMN ? e->col.rte->owner : NULL;
    if (e->kind == EXPR_COLUMN && owner == x->s)
        x->inner = true;
    else if (e->kind == EXPR_COLUMN && !(owner && is_within(owner, x->s)))
        x->outer = true;
    x->other |= e->kind == EXPR_AGG || e->kind == EXPR_WINDOW || e->kind == EXPR_GROUPING ||
                (e->kind == EXPR_FUNC && (e->call.func->volatile_ || e->call.func->system));
    return true;
}

static struct sides sides_of(const struct select *s, const struct expr *e)
{
    struct sides x = {.s = s};
    expr_walk(e, true, find_sides, &x);
    return x;
}

/* ---- what indexes find ------------------------------------------------------------------------
 */

static bool starts_with(const struct table *t, int column)
{
    for (int i = 0; i < t->n_keys; i++)
        if (t->keys[i].columns[0] == column)
            return true;
    for (int i = 0; i < t->n_indexes; i++)
        if (t->indexes[i].columns[0] == column && index_has_rows(&t->indexes[i]))
            return true;
    return false;
}

static bool has_expressions(const struct select *s)
{
    for (int i = 0; i < s->n_from; i++) {
        const struct rte *r = s->from[i]->rte;
        for (int k = 0; r && r->kind == RTE_TABLE && k < r->table->n_indexes; k++)
            if (r->table->indexes[k].columns[0] < 0)
                return true;
    }
    return false;
}

static bool is_indexed(const struct select *s, const struct expr *e)
{
    while (e->kind == EXPR_CAST && !e->call.func)
        e = e->args[0];
    if (e->kind != EXPR_COLUMN)
        return has_expressions(s);
    return e->col.rte->kind == RTE_TABLE && starts_with(e->col.rte->table, e->col.column);
}

/* ---- taking it apart --------------------------------------------------------------------------
 */

static bool is_key(struct semijoin *j, const struct expr *e)
{
    if (e->kind != EXPR_FUNC || e->n_args != 2 || strcmp(e->call.func->name, "=") != 0 ||
        !e->call.func->emit || j->n_keys == MAX_KEYS)
        return false;
    for (int i = 0; i < 2; i++) {
        struct sides own = sides_of(j->s, e->args[i]), with = sides_of(j->s, e->args[1 - i]);
        if (own.outer || own.other || !own.inner || with.inner || with.other || !with.outer)
            continue;
        if (is_indexed(j->s, e->args[i]))
            return false;
        j->inner[j->n_keys] = e->args[i];
        j->outer[j->n_keys++] = e->args[1 - i];
        return true;
    }
    return false;
}

static bool from_is_fixed(const struct select *s)
{
    struct select from = *s;
    struct sides x = {.s = s};
    from.where = NULL;
    from.n_targets = from.n_order = 0;
    select_walk(&from, true, find_sides, &x);
    return !x.outer && !x.other;
}

static bool take_apart(struct semijoin *j)
{
    const struct select *s = j->s;
    if (s->kind != SELECT_PLAIN || !s->n_from || !s->where || s->grouped || s->n_windows ||
        s->n_ctes || s->limit || s->offset || s->n_distinct_on || s->for_update ||
        (s->parent && sql__reads_one_row(s->parent)) || /* which asks once */
        !from_is_fixed(s))
        return false;
    struct expr *const *list =
        s->where->kind == EXPR_AND ? s->where->args : (struct expr *const *)&s->where;
    int n = s->where->kind == EXPR_AND ? s->where->n_args : 1;
    j->rest = mem_alloc(sizeof(*j->rest) * (size_t)n * 2);
    j->beside = j->rest + n;
    for (int i = 0; i < n; i++) {
        struct sides x = sides_of(s, list[i]);
        if (x.other)
            return false;
        if (!x.outer)
            j->rest[j->n_rest++] = list[i];
        else if (!x.inner)
            j->beside[j->n_beside++] = list[i];
        else if (!is_key(j, list[i]))
            return false;
    }
    return j->n_keys > 0;
}

/* ---- printing ---------------------------------------------------------------------------------
 */

static void print(struct emitter *em, const struct semijoin *j)
{
    struct expr both = {.kind = EXPR_AND, .type = OID_BOOL, .typmod = -1};
    struct select keys = *j->s;
    struct target targets[MAX_KEYS];
    for (int i = 0; i < j->n_keys; i++)
        targets[i] = (struct target){.expr = j->inner[i], .name = ""};
    both.n_args = j->n_rest;
    both.args = j->rest;
    keys.original = j->s;
    keys.targets = targets;
    keys.n_targets = j->n_keys;
    keys.where = j->n_rest == 0 ? NULL : j->n_rest == 1 ? j->rest[0] : &both;
    keys.n_order = 0;
    keys.distinct = keys.correlated = false;
    buf_puts(em->out, "(ifnull(");
    for (int i = 0; i < j->n_keys; i++) {
        buf_puts(em->out, i ? ", " : j->n_keys > 1 ? "(" : "");
        sql__emit_compared(em, j->outer[i]);
    }
    buf_puts(em->out, j->n_keys > 1 ? ") IN (" : " IN (");
    sql__emit_select(em, &keys, NAMES_NONE);
    buf_puts(em->out, "), 0)");
    for (int i = 0; i < j->n_beside; i++) {
        buf_puts(em->out, " AND ifnull(");
        sql__emit_expr(em, j->beside[i]);
        buf_puts(em->out, ", 0)");
    }
    buf_puts(em->out, ")");
}

bool sql__emit_semijoin(struct emitter *em, const struct select *s)
{
    struct semijoin j = {.s = s};
    bool ret = take_apart(&j);
    if (ret)
        print(em, &j);
    mem_free(j.rest);
    return ret;
}
