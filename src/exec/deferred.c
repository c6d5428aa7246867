/*
 * Foreign keys that are checked at COMMIT, and SET CONSTRAINTS.
 *
 * A key that is INITIALLY DEFERRED says so in its table's text in the file: SQLite counts what
 * violates it instead of failing, and would not commit before there is nothing left. But the log
 * decides about a transaction, not SQLite's COMMIT, so the count is asked for before anything is
 * logged: when a statement ends that is alone, and when a transaction does. Which key it is, and
 * which row, only a look at the tables tells; who violates one pays for it.
 *
 * What SET CONSTRAINTS has said in a transaction is in session->said. Where a key is to be deferred
 * by that whose text does not say so, SQLite is told to count for all keys until the transaction
 * ends (PRAGMA defer_foreign_keys). Keys that are to be checked at once all the same are looked at
 * when a statement ends and the count is not 0.
 *
 * Invariant: between two statements nothing violates a key that is not deferred.
 *
 * Keys that SQLite does not know are seen to by triggers (sql/foreign_key.c). What those tell while
 * a statement runs is kept in session->told: each is looked at when the statement ends, or, while
 * its key is deferred, when the transaction does.
 *
 * With session_replication_role = replica (session->unchecked) nothing is looked at, and no action
 * follows: the statement runs without either.
 */
#include "exec/exec_int.h"

/* Is the key deferred now? */
static bool is_late(const struct exec_session *s, uint64_t id, bool deferrable, bool deferred)
{
    for (int i = s->n_said - 1; i >= 0 && deferrable; i--)
        if (s->said[i].id == 0 || s->said[i].id == id)
            return s->said[i].deferred;
    return deferred;
}

static bool is_deferred(const struct exec_session *s, const struct foreign_key *fk)
{
    return is_late(s, fk->id, fk->deferrable, fk->deferred);
}

/* ---- looking for a violation ---------------------------------------------------------------- */

static void put_name(struct buf *b, const char *before, const char *name)
{
    buf_puts(b, before);
    sql_quote(name, b);
}

/* Keys of the child that the parent does not have. */
static void put_orphans(struct buf *b, const struct sql_suspect *s)
{
    const struct foreign_key *fk = s->fk;
    for (int i = 0; i < fk->n_columns; i++)
        put_name(b, i ? ", c." : "SELECT c.", s->child->columns[fk->columns[i]].name);
    put_name(b, " FROM main.", table_file_name(s->child));
    put_name(b, " c WHERE NOT EXISTS (SELECT 1 FROM main.", table_file_name(s->parent));
    for (int i = 0; i < fk->n_columns; i++) {
        put_name(b, i ? " AND p." : " p WHERE p.", s->parent->columns[fk->ref_columns[i]].name);
        put_name(b, " = c.", s->child->columns[fk->columns[i]].name);
    }
    buf_puts(b, ")");
    for (int i = 0; i < fk->n_columns; i++) {
        put_name(b, " AND c.", s->child->columns[fk->columns[i]].name);
        buf_puts(b, " IS NOT NULL");
    }
    buf_puts(b, " LIMIT 1");
}

static void put_parent(struct buf *b, const struct sql_suspect *s)
{
    put_name(b, "SELECT 1 FROM main.", table_file_name(s->parent));
    for (int i = 0; i < s->fk->n_columns; i++) {
        put_name(b, i ? " AND " : " WHERE ", s->parent->columns[s->fk->ref_columns[i]].name);
        buf_printf(b, " = ?%d", i + 1);
    }
}

/* Runs a query that gives a row or none: its n values. */
static struct error *one_row(struct exec_session *s, struct store_conn *c, const struct buf *sql,
                             const struct value *params, int n_params, struct arena *a,
                             struct value *ret, int n, bool *ret_found)
{
    sqlite3 *db = store_db(c);
    sqlite3_stmt *stmt;
    TRY(store_prepare(c, sql->data, sql->len, &stmt));
    struct error *e = exec__bind(db, stmt, params, n_params);
    int rc = e ? SQLITE_DONE : sqlite3_step(stmt);
    *ret_found = rc == SQLITE_ROW;
    for (int i = 0; *ret_found && i < n; i++)
        ret[i] = exec__copy_value(sqlite3_column_value(stmt, i), a);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        e = types_sqlite_error(db, rc);
    store_release(c, stmt);
    return e;
}

/* Was there such a row of the parent when the transaction began? Then it is that which went. */
static bool was_there(struct exec_session *s, struct store *store, const struct sql_suspect *k,
                      const struct value *values)
{
    _cleanup_(buf_done) struct buf sql = {0};
    struct store_conn *reader;
    bool found = false;
    struct error *e = store_get_reader(store, &reader);
    if (!e) {
        put_parent(&sql, k);
        e = one_row(s, reader, &sql, values, k->fk->n_columns, NULL, NULL, 0, &found);
        store_put_reader(store, reader);
    }
    error_free(e); /* the table is a new one */
    return found;
}

static struct error *violated(struct exec_session *s, struct store *store, struct sql_suspect *k)
{
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct value *values = ARENA_ARRAY(&a, struct value, k->fk->n_columns);
    bool found;
    put_orphans(&sql, k);
    TRY(one_row(s, store_writer(store), &sql, NULL, 0, &a, values, k->fk->n_columns, &found));
    if (!found)
        return NULL;
    k->of_parent = was_there(s, store, k, values);
    return exec__tell_key(k, values, error_new(E_FOREIGN_KEY, "%s", ""));
}

/* The first violation of a key in the region that is not deferred, or of any. */
static struct error *find(struct exec_session *s, struct store *store, uint64_t region, bool any)
{
    const struct catalog_view *all = exec_view(s), *v = all->all ? all->all : all;
    struct error *e = NULL;
    for (size_t i = 0; i < v->n_tables && !e; i++) {
        const struct table *t = v->tables[i];
        for (int k = 0; t->region == region && k < t->n_foreign_keys && !e; k++) {
            struct sql_suspect suspect = {.fk = &t->foreign_keys[k], .child = t};
            suspect.parent = catalog_table_by_id(v, suspect.fk->table);
            if (suspect.parent && !suspect.fk->watched && (any || !is_deferred(s, suspect.fk)))
                e = violated(s, store, &suspect);
        }
    }
    catalog_unref(all);
    return e;
}

/* ---- what triggers tell ---------------------------------------------------------------------- */

struct told_key {
    const char *table, *key; /* the child's name in the file, the key's */
    char what;
    int n;
    struct value *values;
};

static const char *own_text(struct arena *a, const struct value *v)
{
    return arena_strndup(a, v->s.p, v->s.n);
}

static void told(void *ctx, const struct value *args, int n)
{
    struct exec_session *s = ctx;
    if (s->told.n == s->told.cap) {
        s->told.cap = MAX(2 * s->told.cap, 16);
        s->told.list = mem_realloc(s->told.list, (size_t)s->told.cap * sizeof(*s->told.list));
    }
    struct arena *a = &s->told.arena;
    struct told_key *k = &s->told.list[s->told.n++];
    *k = (struct told_key){own_text(a, &args[0]), own_text(a, &args[1]),
                           args[2].s.n ? args[2].s.p[0] : 0, n - 3, NULL};
    k->values = ARENA_ARRAY(a, struct value, n);
    for (int i = 0; i < k->n; i++) {
        k->values[i] = args[i + 3];
        if (k->values[i].kind == VALUE_TEXT || k->values[i].kind == VALUE_BLOB)
            k->values[i].s.p = arena_strndup(a, args[i + 3].s.p, args[i + 3].s.n);
    }
}

static _Thread_local struct types_key_watch watching;

int exec__watch_keys(struct exec_session *s)
{
    watching = (struct types_key_watch){s, told, s->unchecked};
    types_watch_keys(&watching);
    return s->told.n;
}

static void forget_told(struct exec_session *s, int n)
{
    s->told.n = n;
    if (n == 0)
        arena_done(&s->told.arena);
}

void exec__watch_keys_end(struct exec_session *s, int mark, bool failed)
{
    types_watch_keys(NULL);
    if (failed && s->told.n > mark)
        forget_told(s, mark);
}

/* What a told key is of: a foreign key, or one that is to be unique. */
struct told_of {
    struct sql_suspect suspect;
    const struct key *key;
};

/* False: the table or the key is gone. */
static bool find_told(const struct catalog_view *v, uint64_t region, const struct told_key *k,
                      struct told_of *ret)
{
    struct sql_suspect *x = &ret->suspect;
    *ret = (struct told_of){.suspect.of_parent = k->what != 'c'};
    for (size_t i = 0; i < v->n_tables && !x->child; i++)
        if (v->tables[i]->region == region && strcmp(table_file_name(v->tables[i]), k->table) == 0)
            x->child = v->tables[i];
    const struct table *t = x->child;
    for (int i = 0; t && i < t->n_keys && k->what == 'u'; i++)
        if (strcmp(t->keys[i].name, k->key) == 0 && t->keys[i].n_columns == k->n)
            ret->key = &t->keys[i];
    for (int i = 0; t && i < t->n_foreign_keys && k->what != 'u'; i++)
        if (strcmp(t->foreign_keys[i].name, k->key) == 0 && t->foreign_keys[i].n_columns == k->n)
            x->fk = &t->foreign_keys[i];
    if (x->fk)
        x->parent = catalog_table_by_id(v, x->fk->table);
    return ret->key || x->parent;
}

static bool mixes_nulls(const struct told_key *k)
{
    for (int i = 0; i < k->n; i++)
        if (k->values[i].kind == VALUE_NULL)
            return true;
    return false;
}

static struct error *tell_told(const struct told_of *of, const struct told_key *k)
{
    if (of->key)
        return exec__tell_duplicate(of->suspect.child, of->key, k->values);
    struct error *e = error_new(E_FOREIGN_KEY, "%s", "");
    if (k->what != 'c' || !mixes_nulls(k))
        return exec__tell_key(&of->suspect, k->values, e);
    return error_detail(exec__tell_key(&of->suspect, NULL, e),
                        "MATCH FULL does not allow mixing of null and nonnull key values.");
}

static struct error *look_at(struct exec_session *s, const struct catalog_view *v,
                             struct store *store, const struct told_key *k,
                             const struct told_of *of)
{
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(arena_done) struct arena a = {0};
    bool broken;
    if (of->key)
        sql_unique_broken(of->suspect.child, of->key, &a, &sql);
    else
        TRY(sql_key_broken(v, &of->suspect, k->what, &a, &sql));
    TRY(one_row(s, store_writer(store), &sql, k->values, k->n, &a, NULL, 0, &broken));
    return broken ? tell_told(of, k) : NULL;
}

static bool is_told_later(const struct exec_session *s, const struct told_key *k,
                          const struct told_of *of)
{
    if (of->key)
        return is_late(s, of->key->id, of->key->deferrable, of->key->deferred);
    return k->what != 'r' && is_deferred(s, of->suspect.fk);
}

/* Those whose key is to be checked now; `any`: all. The others stay. */
static struct error *look_at_told(struct exec_session *s, struct store *store, uint64_t region,
                                  bool any)
{
    if (!s->told.n)
        return NULL;
    const struct catalog_view *all = exec_view(s), *v = all->all ? all->all : all;
    struct error *e = NULL;
    int n = s->told.n, kept = 0;
    for (int i = 0; i < n && !e; i++) {
        const struct told_key *k = &s->told.list[i];
        struct told_of of;
        bool known = find_told(v, region, k, &of);
        bool elsewhere = !known && s->in_transaction; /* another region's */
        if (elsewhere || (known && !any && is_told_later(s, k, &of)))
            s->told.list[kept++] = *k;
        else if (known)
            e = look_at(s, v, store, k, &of);
    }
    catalog_unref(all);
    forget_told(s, kept);
    return e;
}

/* ---- when ----------------------------------------------------------------------------------- */

struct error *exec__statement_ends(struct exec_session *s, struct store *store, uint64_t region)
{
    const struct held *h = exec__held(s, region);
    if (!h || s->n_said || h->counts_all)
        return exec__look_at_keys(s, store, region);
    return look_at_told(s, store, region, !s->in_transaction);
}

struct error *exec__look_at_keys(struct exec_session *s, struct store *store, uint64_t region)
{
    TRY(look_at_told(s, store, region, !s->in_transaction));
    return store_has_violations(store) ? find(s, store, region, !s->in_transaction) : NULL;
}

void exec__keys_late_end(struct exec_session *s, struct store *store, uint64_t region)
{
    struct held *h = exec__held(s, region);
    if (!store_has_violations(store))
        error_free(store_defer_foreign_keys(store, false));
    else if (h) /* keys that are INITIALLY DEFERRED are violated: SQLite would forget that */
        h->counts_all = true;
}

struct error *exec__transaction_ends(struct exec_session *s, struct store *store, uint64_t region)
{
    TRY(look_at_told(s, store, region, true));
    if (!store_has_violations(store))
        return NULL;
    TRY(find(s, store, region, true));
    store_keys_hold(store);
    return NULL;
}

/* ---- SET CONSTRAINTS ------------------------------------------------------------------------ */

/* SQLite has to count for keys whose text does not ask for it. */
static struct error *count_all(struct exec_session *s, struct held *h)
{
    bool needed = false;
    const struct catalog_view *all = exec_view(s), *v = all->all ? all->all : all;
    for (size_t i = 0; i < v->n_tables; i++)
        for (int k = 0; v->tables[i]->region == h->region && k < v->tables[i]->n_foreign_keys; k++)
            needed |= !v->tables[i]->foreign_keys[k].watched &&
                      is_deferred(s, &v->tables[i]->foreign_keys[k]) &&
                      !v->tables[i]->foreign_keys[k].deferred;
    catalog_unref(all);
    if (!needed || h->counts_all)
        return NULL;
    h->counts_all = true;
    return store_defer_foreign_keys(region_txn_store(h->txn), true);
}

static struct error *tell_here(struct exec_session *s, struct held *h)
{
    struct store *store = region_txn_store(h->txn);
    TRY(count_all(s, h));
    TRY(look_at_told(s, store, h->region, false));
    return store_has_violations(store) ? find(s, store, h->region, false) : NULL;
}

static struct error *tell_there(struct exec_session *s, const struct held *h)
{
    _cleanup_(buf_done) struct buf text = {0};
    buf_printf(&text, "CONSTRAINTS");
    for (int i = 0; i < s->n_said; i++)
        buf_printf(&text, " %llu%s", (unsigned long long)s->said[i].id,
                   s->said[i].deferred ? "d" : "i");
    return exec__peer_run(s, h->conn, text.data, NULL, NULL, NULL, NULL, NULL);
}

struct error *exec__say_constraints(struct exec_session *s, const struct held *h)
{
    for (int i = 0; s->n_said && i < s->n_held; i++) {
        struct held *x = &s->held[i];
        if (!h || h->region == x->region)
            TRY(x->kind == HELD_LOCAL ? tell_here(s, x) : tell_there(s, x));
    }
    return NULL;
}

struct error *exec__unsay_constraints(struct exec_session *s, int n)
{
    bool less = n < s->n_said;
    s->n_said = n;
    for (int i = 0; less && i < s->n_held; i++)
        if (s->held[i].kind == HELD_REMOTE)
            TRY(tell_there(s, &s->held[i]));
    return NULL;
}

void exec__say_constraint(struct exec_session *s, uint64_t id, bool deferred)
{
    s->said = mem_realloc(s->said, (size_t)(s->n_said + 1) * sizeof(*s->said));
    s->said[s->n_said++] = (struct said){id, deferred};
}

struct error *exec_set_constraints(struct exec_session *s, const uint64_t *ids, int n,
                                   bool deferred)
{
    if (!n)
        exec__say_constraint(s, 0, deferred);
    for (int i = 0; i < n; i++)
        exec__say_constraint(s, ids[i], deferred);
    TRY(exec__enter(s));
    struct error *e = exec__say_constraints(s, NULL);
    exec__leave(s);
    return e ? exec__held_failed(s, e) : NULL;
}

void exec__forget_constraints(struct exec_session *s)
{
    mem_free(s->said);
    s->said = NULL;
    forget_told(s, 0);
    mem_free(s->told.list);
    s->told.list = NULL;
    s->told.cap = 0;
    s->n_said = 0;
}
