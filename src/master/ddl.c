/*
 * Schema changes: what the master checks and decides before the catalog is changed. They run one at
 * a time, so that what one checks still holds when it writes; another master that thinks otherwise
 * is fenced off by the catalog.
 */
#include "master/master_int.h"

#include <stdio.h>

enum { PRIMARY_WAIT_MS = 8000, MOST_CHANGES = 64, SETTLE_MS = 2000 };

static struct error *check_master(struct master *m)
{
    if (catalog_is_master(m->catalog))
        return NULL;
    const struct catalog_view *v = catalog_view(m->catalog);
    bool other = v->master && strcmp(v->master, m->name) != 0;
    struct error *e = error_new(E_NOT_PRIMARY, "this server is not the master");
    if (other)
        error_detail(e, "%s", v->master);
    catalog_unref(v);
    return e;
}

/* A view as fresh as can be, with no transaction's change on its way into it. */
static struct error *settled_view(struct master *m, const struct catalog_view **ret)
{
    TRY(check_master(m));
    TRY(catalog_refresh(m->catalog, 3000));
    *ret = catalog_view(m->catalog);
    if (m->draft || !(*ret)->changing)
        return NULL;
    catalog_unref(*ret);
    TRY(master__settle(m, SETTLE_MS));
    *ret = catalog_view(m->catalog);
    return NULL;
}

struct error *master__begin(struct master *m, const struct catalog_view **ret)
{
    pthread_mutex_lock(&m->ddl);
    struct error *e = settled_view(m, ret);
    if (e)
        pthread_mutex_unlock(&m->ddl);
    return e;
}

void master__end(struct master *m, const struct catalog_view *v)
{
    catalog_unref(v);
    pthread_mutex_unlock(&m->ddl);
}

/* ---- CREATE TABLE ------------------------------------------------------------------------- */

/* The region of the tables that this one references; 0: it references none. */
static struct error *region_of_references(const struct catalog_view *v, const struct table *t,
                                          uint64_t *ret)
{
    *ret = 0;
    const char *first = NULL;
    for (int i = 0; i < t->n_foreign_keys; i++) {
        const struct foreign_key *f = &t->foreign_keys[i];
        if (f->table == 0)
            continue;
        const struct table *other = catalog_table_by_id(v, f->table);
        if (!other)
            return error_new(E_UNDEFINED_TABLE,
                             "the table that constraint \"%s\" references does "
                             "not exist",
                             f->name);
        if (*ret && *ret != other->region)
            return error_hint(
                error_new(E_UNSUPPORTED,
                          "foreign keys to tables in different regions are not supported: \"%s\" "
                          "and \"%s\"",
                          first, other->name),
                "Tables tied by foreign keys share a region. Create one of the two with a foreign "
                "key to the other, or leave this one out.");
        *ret = other->region;
        first = other->name;
    }
    return NULL;
}

/* In a colocated database all tables share a region, that of the first. */
static uint64_t region_of_database(const struct catalog_view *v, const struct table *t)
{
    const struct catalog_view *own = catalog_of_database(v, t->database);
    return own->n_tables && catalog_is_colocated(v, t->database) ? own->tables[0]->region : 0;
}

/* The region that the table has to share; 0: it gets its own. */
static struct error *shared_region(struct master *m, const struct catalog_view *v,
                                   const struct table *t, const struct master_wish *wish,
                                   uint64_t *ret)
{
    TRY(region_of_references(v, t, ret));
    if (wish->colocate) {
        const struct table *other = catalog_table_by_id(v, wish->colocate);
        if (!other)
            return error_new(E_UNDEFINED_TABLE, "the table to share a region with does not exist");
        if (*ret && *ret != other->region)
            return error_hint(
                error_new(E_UNSUPPORTED,
                          "table \"%s\" cannot share a region with both \"%s\" and the tables that "
                          "it references",
                          t->name, other->name),
                "Leave colocate_with out: a foreign key decides.");
        *ret = other->region;
    }
    if (!*ret && m->one_region && v->n_regions)
        *ret = v->regions[0]->id;
    if (!*ret)
        *ret = region_of_database(v, t);
    return NULL;
}

static struct error *new_region(struct master *m, const struct catalog_view *v,
                                const struct table *t, const struct master_wish *wish,
                                struct region *r)
{
    *r = (struct region){
        .epoch = 1, .schema_version = 1, .copies = wish->copies ? wish->copies : m->copies};
    TRY(master_place(v, r));
    TRY(catalog_next_id(m->catalog, &r->id));
    if (r->n_backups + 1 < r->copies)
        log_warn("table=%s region=%llu: created with %d of %d copies, there are not enough "
                 "servers; more are made when there are",
                 t->name, (unsigned long long)r->id, r->n_backups + 1, r->copies);
    return NULL;
}

/* What the statement was analysed on may be gone since, or taken. */
static struct error *check_place(const struct catalog_view *v, const struct table *t)
{
    if (!catalog_database_name(v, t->database) ||
        !catalog_schema(catalog_of_database(v, t->database), t->schema))
        return error_new("3F000", "schema \"%s\" does not exist", t->schema);
    if (catalog_file_name_taken(v, table_file_name(t)))
        return error_new(E_STALE_SCHEMA, "the name \"%s\" was taken meanwhile", table_file_name(t));
    return NULL;
}

static struct error *create_table(struct master *m, const struct catalog_view *v,
                                  const struct table *given, const struct master_wish *wish,
                                  uint64_t *ret_id)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct table *t = table_copy(given, &a);
    struct region r;
    const struct catalog_view *own = catalog_of_database(v, t->database);
    if (catalog_table(own, t->schema, t->name) || catalog_object(own, OBJ_VIEW, t->schema, t->name))
        return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists", t->name);
    TRY(check_place(v, t));
    TRY(shared_region(m, v, t, wish, &t->region));
    TRY(catalog_next_id(m->catalog, &t->id));
    t->version = 1;
    for (int i = 0; i < t->n_foreign_keys; i++)
        if (t->foreign_keys[i].table == 0)
            t->foreign_keys[i].table = t->id;
    if (!t->region && m->draft) /* the one that its transaction writes */
        TRY(m->io.region(m->io.ctx, wish->copies, &t->region));
    bool alone = t->region == 0;
    if (alone) {
        TRY(new_region(m, v, t, wish, &r));
        t->region = r.id;
    }
    struct sequence *sequences = ARENA_ARRAY(&a, struct sequence, t->n_owned + 1);
    for (int i = 0; i < t->n_owned; i++) {
        sequences[i] = wish->sequences[i];
        TRY(catalog_next_id(m->catalog, &sequences[i].id));
        t->owned[i].sequence = t->columns[t->owned[i].column].sequence = sequences[i].id;
    }
    for (int c = 0; c < t->n_columns; c++)
        if (t->columns[c].sequence >= CATALOG_NEW_SEQUENCE)
            t->columns[c].sequence = sequences[t->columns[c].sequence - CATALOG_NEW_SEQUENCE].id;
    TRY(catalog_create_table_with(m->catalog, t, alone ? &r : NULL, sequences));
    if (!m->draft)
        log_info("table=%s id=%llu region=%llu: created", t->name, (unsigned long long)t->id,
                 (unsigned long long)t->region);
    if (ret_id)
        *ret_id = t->id;
    return NULL;
}

struct error *master_create_table(struct master *m, const struct table *t,
                                  const struct master_wish *wish, uint64_t *ret_id)
{
    const struct catalog_view *v;
    TRY(master__begin(m, &v));
    struct error *e = create_table(m, v, t, wish ? wish : &(struct master_wish){0}, ret_id);
    master__end(m, v);
    return e;
}

/* ---- DROP TABLE --------------------------------------------------------------------------- */

static bool listed(const uint64_t *ids, size_t n, uint64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* Does a table that stays reference one that goes? */
static struct error *check_unreferenced(const struct catalog_view *v, const uint64_t *ids, size_t n,
                                        bool cascade)
{
    for (size_t i = 0; i < v->n_tables; i++) {
        const struct table *t = v->tables[i];
        if (!t->n_foreign_keys || listed(ids, n, t->id))
            continue;
        for (int j = 0; j < t->n_foreign_keys; j++) {
            const struct foreign_key *f = &t->foreign_keys[j];
            const struct table *gone =
                listed(ids, n, f->table) ? catalog_table_by_id(v, f->table) : NULL;
            if (!gone)
                continue;
            if (cascade)
                return error_hint(
                    error_new(E_UNSUPPORTED,
                              "dropping constraint \"%s\" of table \"%s\" is not supported",
                              f->name, t->name),
                    "Name table \"%s\" in the same DROP TABLE, or drop it first.", t->name);
            return error_hint(
                error_detail(
                    error_new("2BP01", "cannot drop table %s because other objects depend on it",
                              gone->name),
                    "constraint %s on table %s depends on table %s", f->name, t->name, gone->name),
                "Drop table \"%s\" first, or name it in the same DROP TABLE.", t->name);
        }
    }
    return NULL;
}

static bool goes(const struct master_objects *o, uint64_t id)
{
    for (size_t i = 0; i < o->n; i++)
        if (!o->changes[i].next && o->changes[i].old->id == id)
            return true;
    return false;
}

/* Values of the type as it was are none of it any more. */
static bool loses_values(const struct object_change *c)
{
    const struct table *was = c->next && c->old ? c->old->attributes : NULL;
    const struct table *is = was ? c->next->attributes : NULL;
    bool other = was && is->n_columns < was->n_columns;
    for (int i = 0; was && i < was->n_columns && !other; i++)
        other = is->columns[i].type != was->columns[i].type;
    return other;
}

/* A table may have come to have the type that goes, or that has no values. */
static struct error *check_types(const struct catalog_view *v, const struct master_objects *o)
{
    for (size_t i = 0; i < o->n; i++) {
        bool gone = !o->changes[i].next || loses_values(&o->changes[i]);
        const struct object *type = gone ? o->changes[i].old : NULL;
        for (size_t k = 0; type && k < v->n_tables; k++) {
            const struct table *t = v->tables[k];
            for (int c = 0; c < t->n_columns && !listed(o->drop, o->n_drop, t->id); c++)
                if (column_has_type(&t->columns[c], type))
                    return error_new(E_STALE_SCHEMA, "table \"%s\" was made meanwhile", t->name);
        }
    }
    return NULL;
}

static struct error *check_domains(const struct catalog_view *v, const struct master_objects *o)
{
    const struct object *d;
    for (size_t i = 0; (d = catalog_next_type(v, &i));)
        for (size_t k = 0; d->domain && k < o->n && !goes(o, d->id); k++)
            if (!o->changes[k].next && column_has_type(&d->domain->columns[0], o->changes[k].old))
                return error_new(E_STALE_SCHEMA, "domain \"%s\" was made meanwhile", d->name);
    return NULL;
}

/* A view may have come to read what goes; or what a new one reads may be gone. */
static struct error *check_views(const struct catalog_view *v, const struct master_objects *o)
{
    const struct object *view;
    for (size_t i = 0; (view = catalog_next_view(v, &i));) {
        bool stays = !goes(o, view->id) && !listed(o->drop, o->n_drop, view->id);
        for (int k = 0; k < view->n_uses && stays; k++)
            if (listed(o->drop, o->n_drop, view->uses[k].id) || goes(o, view->uses[k].id) ||
                listed(o->sequences, o->n_sequences, view->uses[k].id))
                return error_new(E_STALE_SCHEMA, "view \"%s\" was made meanwhile", view->name);
    }
    for (size_t i = 0; i < o->n; i++) {
        const struct object *next = o->changes[i].next;
        for (int k = 0; next && k < next->n_uses; k++)
            if (!catalog_table_by_id(v, next->uses[k].id) &&
                !catalog_object_by_id(v, next->uses[k].id) &&
                !catalog_sequence_by_id(v, next->uses[k].id))
                return error_new(E_STALE_SCHEMA, "what view \"%s\" reads is gone", next->name);
    }
    return NULL;
}

struct error *master_drop_tables(struct master *m, const uint64_t *ids, size_t n, bool cascade)
{
    const struct catalog_view *v;
    TRY(master__begin(m, &v));
    struct error *e = check_unreferenced(v, ids, n, cascade);
    if (!e)
        e = check_views(v, &(struct master_objects){.drop = ids, .n_drop = n});
    if (!e)
        e = catalog_drop_tables(m->catalog, ids, n);
    if (!e && !m->draft)
        log_info("dropped %zu table%s", n, n == 1 ? "" : "s");
    master__end(m, v);
    return e;
}

/* ---- indexes ------------------------------------------------------------------------------ */

/* Runs DDL at the region's primary, wherever that is by now. */
static struct error *run_at_primary(struct master *m, uint64_t region, const char *sql)
{
    uint64_t deadline = clock_ms() + PRIMARY_WAIT_MS;
    for (;;) {
        const struct catalog_view *v = catalog_view(m->catalog);
        const struct region *r = catalog_region(v, region);
        struct error *e = r ? m->io.run_ddl(m->io.ctx, r->primary, region, sql)
                            : error_new(E_UNDEFINED_TABLE, "the table was dropped meanwhile");
        catalog_unref(v);
        bool moved =
            error_is(e, E_NOT_PRIMARY) || error_is(e, E_UNAVAILABLE) || error_is(e, E_CONNECTION);
        if (!moved || clock_ms() >= deadline)
            return e;
        error_free(e);
        sleep_ms(100);
    }
}

/* It waits for transactions that write there, which may need the master to commit: so others get
 * their turn meanwhile. What they change, the catalog tells when it is to take the index. */
static struct error *build_index(struct master *m, uint64_t region, const char *sql)
{
    if (m->draft)
        return run_at_primary(m, region, sql);
    pthread_mutex_unlock(&m->ddl);
    struct error *e = run_at_primary(m, region, sql);
    pthread_mutex_lock(&m->ddl);
    struct error *pending = master__settle(m, SETTLE_MS);
    if (!e)
        return pending;
    error_free(pending);
    return e;
}

/* The index stands in the region's file, but the catalog did not take it. */
static void undo_index(struct master *m, uint64_t region, const char *name)
{
    _cleanup_(buf_done) struct buf sql = {0};
    buf_puts(&sql, "DROP INDEX IF EXISTS \"");
    for (const char *p = name; *p; p++)
        buf_printf(&sql, *p == '"' ? "\"\"" : "%c", *p);
    buf_puts(&sql, "\"");
    struct error *e = run_at_primary(m, region, sql.data);
    if (e)
        log_failure(LOG_WARN, e, "region=%llu: index \"%s\" is left over",
                    (unsigned long long)region, name);
    error_free(e);
}

/* SQLite tells of two equal rows as if one of them were being inserted. */
static struct error *name_index(struct error *e, const struct table *t, const struct index *index)
{
    if (!error_is(e, E_UNIQUE))
        return e;
    mem_free(e->schema);
    mem_free(e->table);
    e->schema = mem_strdup(t->schema);
    e->table = mem_strdup(t->name);
    mem_free(e->message);
    mem_free(e->constraint);
    mem_free(e->column);
    e->message = mem_printf("could not create unique index \"%s\"", index->name);
    e->constraint = mem_strdup(index->name);
    e->column = NULL;
    return error_hint(e,
                      "Some rows have the same key: GROUP BY it HAVING count(*) > 1 finds them.");
}

static struct error *create_index(struct master *m, const struct catalog_view *v, uint64_t table,
                                  const struct index *index)
{
    _cleanup_(arena_done) struct arena a = {0};
    const struct table *t = catalog_table_by_id(v, table);
    if (!t)
        return error_new(E_UNDEFINED_TABLE, "table %llu does not exist", (unsigned long long)table);
    const struct catalog_view *own = catalog_of_database(v, t->database);
    if (catalog_table(own, t->schema, index->name) ||
        catalog_index(own, t->schema, index->name, NULL))
        return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists", index->name);
    if (catalog_file_name_taken(v, index_file_name(index)))
        return error_new(E_STALE_SCHEMA, "the name \"%s\" was taken meanwhile",
                         index_file_name(index));
    struct table *next = table_copy(t, &a);
    next->indexes = ARENA_ARRAY(&a, struct index, t->n_indexes + 1);
    for (int i = 0; i < t->n_indexes; i++)
        next->indexes[i] = t->indexes[i];
    next->indexes[next->n_indexes++] = *index;
    TRY(name_index(build_index(m, t->region, index->ddl), t, index));
    struct error *e = catalog_replace_table(m->catalog, t, next);
    if (e)
        undo_index(m, t->region, index_file_name(index));
    return e;
}

struct error *master_create_index(struct master *m, uint64_t table, const struct index *index)
{
    const struct catalog_view *v;
    TRY(master__begin(m, &v));
    struct error *e = create_index(m, v, table, index);
    master__end(m, v);
    return e;
}

static struct error *drop_index(struct master *m, const struct catalog_view *v, uint64_t table,
                                const char *name)
{
    _cleanup_(arena_done) struct arena a = {0};
    const struct table *t = catalog_table_by_id(v, table);
    int at = 0;
    while (t && at < t->n_indexes && strcmp(t->indexes[at].name, name) != 0)
        at++;
    if (!t || at == t->n_indexes)
        return error_new(E_UNDEFINED_OBJECT, "index \"%s\" does not exist", name);
    struct table *next = table_copy(t, &a);
    next->n_indexes--;
    for (int i = at; i < next->n_indexes; i++)
        next->indexes[i] = next->indexes[i + 1];
    return catalog_replace_table(m->catalog, t, next);
}

struct error *master_drop_index(struct master *m, uint64_t table, const char *name)
{
    const struct catalog_view *v;
    TRY(master__begin(m, &v));
    struct error *e = drop_index(m, v, table, name);
    master__end(m, v);
    return e;
}

/* ---- objects ------------------------------------------------------------------------------ */

/* What is to be made, or renamed, must not exist by now. */
static struct error *check_name_free(const struct catalog_view *all, const struct object_change *c)
{
    const struct catalog_view *v = catalog_of_database(all, c->next->database);
    const struct object *same = catalog_object(v, c->next->kind, c->next->schema, c->next->name);
    bool table =
        c->next->kind == OBJ_VIEW && (catalog_table(v, c->next->schema, c->next->name) ||
                                      catalog_index(v, c->next->schema, c->next->name, NULL));
    if (table || (same && (!c->old || same->id != c->old->id)))
        return error_new(E_STALE_SCHEMA, "the name \"%s\" was taken meanwhile", c->next->name);
    return NULL;
}

/* The schema that is no more after this change; NULL: none. */
static const struct object *vanishing_schema(const struct object_change *c)
{
    if (c->next && c->next->kind == OBJ_SCHEMA && c->next->dropped)
        return c->next;
    bool was = c->old && c->old->kind == OBJ_SCHEMA && !c->old->dropped;
    return was && (!c->next || strcmp(c->next->name, c->old->name) != 0) ? c->old : NULL;
}

/* Something may have been put into a schema that goes. */
static struct error *check_empty(const struct catalog_view *all, const struct object *schema,
                                 const struct master_objects *o)
{
    for (size_t i = 0; i < all->n_tables; i++) {
        const struct table *t = all->tables[i];
        if (t->database == schema->database && strcmp(t->schema, schema->name) == 0 &&
            !listed(o->drop, o->n_drop, t->id) && !listed(o->moves, o->n_moves, t->id))
            return error_new(E_STALE_SCHEMA, "schema \"%s\" got a table meanwhile", schema->name);
    }
    return NULL;
}

static struct error *drop_sequences(struct master *m, const struct catalog_view *v,
                                    const uint64_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct sequence_change gone = {.old = catalog_sequence_by_id(v, ids[i])};
        if (gone.old)
            TRY(catalog_change_sequences(m->catalog, &gone, 1, NULL, NULL));
    }
    return NULL;
}

/* Tables stay where they are. */
static struct error *check_one_region(const struct catalog_view *v, const struct object *next)
{
    uint64_t id;
    if (next->kind != OBJ_DATABASE || !next->colocated || !catalog_database(v, next->name, &id))
        return NULL;
    const struct catalog_view *own = catalog_of_database(v, id);
    for (size_t i = 1; i < own->n_tables; i++)
        if (own->tables[i]->region != own->tables[0]->region)
            return error_hint(
                error_new("55000", "tables of database \"%s\" lie in different regions already",
                          next->name),
                "Create another database WITH COLOCATION = true, and bring them there with "
                "pg_dump.");
    return NULL;
}

static struct error *change_objects(struct master *m, const struct catalog_view *v,
                                    const struct master_objects *o)
{
    for (size_t i = 0; i < o->n; i++) {
        const struct object *schema = vanishing_schema(&o->changes[i]);
        if (schema)
            TRY(check_empty(v, schema, o));
        if (o->changes[i].next) {
            TRY(check_name_free(v, &o->changes[i]));
            TRY(check_one_region(v, o->changes[i].next));
        }
    }
    TRY(check_unreferenced(v, o->drop, o->n_drop, false));
    TRY(check_views(v, o));
    TRY(check_types(v, o));
    TRY(check_domains(v, o));
    if (o->n_drop)
        TRY(catalog_drop_tables(m->catalog, o->drop, o->n_drop));
    TRY(drop_sequences(m, v, o->sequences, o->n_sequences));
    size_t i = 0;
    for (; o->n - i > MOST_CHANGES; i += MOST_CHANGES)
        TRY(catalog_change_objects(m->catalog, o->changes + i, MOST_CHANGES, NULL, 0, NULL));
    size_t moves = o->schema ? o->n_moves : MIN(o->n_moves, MOST_CHANGES);
    TRY(catalog_change_objects(m->catalog, o->changes + i, o->n - i, o->moves, moves, o->schema));
    for (; o->n_moves - moves > 0; moves += MIN(o->n_moves - moves, MOST_CHANGES))
        TRY(catalog_change_objects(m->catalog, NULL, 0, o->moves + moves,
                                   MIN(o->n_moves - moves, MOST_CHANGES), NULL));
    return NULL;
}

struct error *master_change_objects(struct master *m, const struct master_objects *o)
{
    const struct catalog_view *v;
    TRY(master__begin(m, &v));
    struct error *e = change_objects(m, v, o);
    master__end(m, v);
    return e;
}

/* ---- sequences ---------------------------------------------------------------------------- */

/* Takes the sequence off its owner, unless that is `but`. */
static struct error *disown(struct master *m, const struct catalog_view *v, uint64_t sequence,
                            const struct table *but)
{
    _cleanup_(arena_done) struct arena a = {0};
    int column;
    const struct table *t = catalog_sequence_owner(v, sequence, &column);
    if (!t || (but && t->id == but->id))
        return NULL;
    struct table *next = table_copy(t, &a);
    next->n_owned = 0;
    for (int i = 0; i < t->n_owned; i++)
        if (t->owned[i].sequence != sequence)
            next->owned[next->n_owned++] = t->owned[i];
    return catalog_replace_table(m->catalog, t, next);
}

/* A copy that owns the sequence. */
static struct table *owning(const struct table *t, uint64_t sequence, int column, struct arena *a)
{
    struct table *next = table_copy(t, a);
    next->owned = ARENA_ARRAY(a, struct owned_sequence, t->n_owned + 1);
    next->n_owned = 0;
    for (int i = 0; i < t->n_owned; i++)
        if (t->owned[i].sequence != sequence)
            next->owned[next->n_owned++] = t->owned[i];
    next->owned[next->n_owned++] = (struct owned_sequence){sequence, column};
    return next;
}

/* Defaults say in words whose value they are: under its new name. */
static struct error *rename_in_defaults(struct master *m, const struct catalog_view *v,
                                        const struct sequence *s, const char *text)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct error *e = NULL;
    for (size_t i = 0; i < v->n_tables && !e; i++) {
        struct table *next = NULL;
        for (int c = 0; c < v->tables[i]->n_columns; c++) {
            const struct column *x = &v->tables[i]->columns[c];
            if (x->sequence != s->id || !x->default_sql)
                continue;
            next = next ? next : table_copy(v->tables[i], &a);
            next->columns[c].default_sql = arena_strdup(&a, text);
        }
        if (next)
            e = catalog_replace_table(m->catalog, v->tables[i], next);
    }
    return e;
}

static struct error *renamed(struct master *m, const struct sequence *s, const char *text)
{
    const struct catalog_view *v = catalog_view(m->catalog);
    struct error *e = rename_in_defaults(m, v, s, text);
    catalog_unref(v);
    return e;
}

static struct error *change_sequence(struct master *m, const struct catalog_view *v,
                                     struct sequence_change *x, const struct master_owner *owner)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct sequence next = *x->next;
    if (!x->old)
        TRY(catalog_next_id(m->catalog, &next.id));
    x->next = &next;
    const struct table *t = owner->table ? catalog_table_by_id(v, owner->table) : NULL;
    if (owner->table && !t)
        return error_new(E_UNDEFINED_TABLE, "the table was dropped meanwhile");
    if (owner->said && x->old)
        TRY(disown(m, v, x->old->id, t));
    TRY(catalog_change_sequences(m->catalog, x, 1, t,
                                 t ? owning(t, next.id, owner->column, &a) : NULL));
    return owner->renamed ? renamed(m, &next, owner->renamed) : NULL;
}

struct error *master_change_sequence(struct master *m, const struct sequence *old,
                                     const struct sequence *next, bool restart,
                                     const struct master_owner *owner)
{
    const struct catalog_view *v;
    TRY(master__begin(m, &v));
    /* What was altered meanwhile has a newer generation. */
    const struct sequence *now = old ? catalog_sequence_by_id(v, old->id) : NULL;
    struct error *e = NULL;
    if (old && (!now || now->generation != old->generation))
        e = error_hint(
            error_new(E_STALE_SCHEMA, "sequence \"%s\" was changed by somebody else", old->name),
            "Try again.");
    struct sequence_change x = {old, next, restart};
    if (!e)
        e = change_sequence(m, v, &x, owner);
    master__end(m, v);
    return e;
}

static struct error *drop_sequence(struct master *m, const struct catalog_view *v, uint64_t id)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct sequence_change x = {.old = catalog_sequence_by_id(v, id)};
    int column;
    if (!x.old)
        return error_new(E_UNDEFINED_TABLE, "the sequence was dropped meanwhile");
    const struct table *t = catalog_sequence_owner(v, id, &column);
    struct table *next = t ? owning(t, id, column, &a) : NULL;
    if (next)
        next->n_owned--;
    return catalog_change_sequences(m->catalog, &x, 1, t, next);
}

struct error *master_drop_sequence(struct master *m, uint64_t id)
{
    const struct catalog_view *v;
    TRY(master__begin(m, &v));
    struct error *e = check_views(v, &(struct master_objects){.sequences = &id, .n_sequences = 1});
    if (!e)
        e = drop_sequence(m, v, id);
    master__end(m, v);
    return e;
}

/* ---- ALTER TABLE -------------------------------------------------------------------------- */

struct error *master_alter_table(struct master *m, const struct table *old,
                                 const struct table *next)
{
    const struct catalog_view *v;
    TRY(master__begin(m, &v));
    struct error *e = catalog_replace_table(m->catalog, old, next);
    master__end(m, v);
    return e;
}
