/* Schema changes on their way from exec/, which knows statements, to master/, which knows tables
 * and regions. */
#include "minisqld/minisqld_int.h"

#include <stdio.h>

static struct error *create_table(struct master *m, const struct query *q)
{
    const struct master_wish wish = {
        .copies = q->create_table.copies,
        .colocate = q->create_table.colocate ? q->create_table.colocate->id : 0,
        .sequences = q->create_table.sequences};
    return master_create_table(m, q->create_table.table, &wish, NULL);
}

static struct error *drop_tables(struct master *m, const struct query *q)
{
    uint64_t *ids = mem_alloc(sizeof(*ids) * (size_t)q->drop.n);
    for (int i = 0; i < q->drop.n; i++)
        ids[i] = q->drop.tables[i]->id;
    struct error *e = master_drop_tables(m, ids, (size_t)q->drop.n, q->drop.cascade);
    mem_free(ids);
    return e;
}

static struct error *drop_indexes(struct master *m, const struct query *q)
{
    for (int i = 0; i < q->drop.n; i++)
        TRY(master_drop_index(m, q->drop.tables[i]->id, q->drop.indexes[i]->name));
    return NULL;
}

static uint64_t *ids_of(const struct table *const *tables, int n, struct arena *a)
{
    uint64_t *ids = ARENA_ARRAY(a, uint64_t, n + 1);
    for (int i = 0; i < n; i++)
        ids[i] = tables[i]->id;
    return ids;
}

static struct error *change_objects(struct master *m, const struct query *q)
{
    _cleanup_(arena_done) struct arena a = {0};
    uint64_t *sequences = ARENA_ARRAY(&a, uint64_t, q->objects.n_sequences + 1);
    for (int i = 0; i < q->objects.n_sequences; i++)
        sequences[i] = q->objects.sequences[i]->id;
    return master_change_objects(
        m, &(struct master_objects){.changes = q->objects.changes,
                                    .n = (size_t)q->objects.n,
                                    .drop = ids_of(q->objects.drop, q->objects.n_drop, &a),
                                    .n_drop = (size_t)q->objects.n_drop,
                                    .sequences = sequences,
                                    .n_sequences = (size_t)q->objects.n_sequences,
                                    .moves = ids_of(q->objects.moves, q->objects.n_moves, &a),
                                    .n_moves = (size_t)q->objects.n_moves,
                                    .schema = q->objects.schema});
}

/* ---- ALTER TABLE -------------------------------------------------------------------------- */

static void set(char **field, const char *text)
{
    *field = text ? mem_strdup(text) : NULL;
}

/* Does the list say these columns, "a, b"? */
static bool same_list(const struct table *t, const int *columns, int n, const char *list)
{
    _cleanup_(buf_done) struct buf b = {0};
    for (int i = 0; i < n; i++) {
        if (columns[i] < 0)
            return false;
        buf_printf(&b, "%s%s", i ? ", " : "", t->columns[columns[i]].name);
    }
    return list && b.data && strcmp(b.data, list) == 0;
}

static const char *key_named(const struct table *t, const struct error *e)
{
    for (int i = 0; i < t->n_keys; i++)
        if (same_list(t, t->keys[i].columns, t->keys[i].n_columns, e->column))
            return t->keys[i].name;
    for (int i = 0; i < t->n_indexes; i++)
        if (t->indexes[i].unique &&
            (same_list(t, t->indexes[i].columns, t->indexes[i].n_columns, e->column) ||
             (!e->column && e->constraint &&
              strcmp(index_file_name(&t->indexes[i]), e->constraint) == 0)))
            return t->indexes[i].name;
    return e->constraint ? e->constraint : "?";
}

/* SQLite tells of rows that are copied as if they were inserted. */
static struct error *of_rewrite(struct error *e, const struct table *t)
{
    char *message = NULL, *constraint = NULL;
    if (e && e->datatype)
        return e;
    if (error_is(e, E_NOT_NULL) && e->column) {
        message =
            mem_printf("column \"%s\" of relation \"%s\" contains null values", e->column, t->name);
    } else if (error_is(e, E_UNIQUE)) {
        constraint = mem_strdup(key_named(t, e));
        message = mem_printf("could not create unique index \"%s\"", constraint);
    } else if (error_is(e, E_CHECK) && e->constraint) {
        constraint = mem_strdup(e->constraint);
        message = mem_printf("check constraint \"%s\" of relation \"%s\" is violated by some row",
                             constraint, t->name);
    }
    if (!message)
        return e;
    struct error *told = error_new(e->sqlstate, "%s", message);
    mem_free(message);
    set(&told->schema, t->schema);
    set(&told->table, t->name);
    set(&told->column, error_is(e, E_NOT_NULL) ? e->column : NULL);
    told->constraint = constraint;
    error_free(e);
    return told;
}

/* The sequences of new columns, and `next` with their ids. */
static struct error *make_sequences(struct master *m, struct catalog *c, const struct query *q,
                                    struct table *next)
{
    const struct master_owner nobody = {0};
    int made = 0;
    for (int i = 0; i < next->n_owned && made < q->alter_table.n_sequences; i++) {
        if (next->owned[i].sequence)
            continue;
        const struct sequence *s = &q->alter_table.sequences[made++];
        TRY(master_change_sequence(m, NULL, s, false, &nobody));
        const struct catalog_view *v = catalog_view(c);
        const struct sequence *has =
            catalog_sequence(catalog_of_database(v, next->database), s->schema, s->name);
        if (has)
            next->owned[i].sequence = next->columns[next->owned[i].column].sequence = has->id;
        catalog_unref(v);
        if (!has)
            return error_new(E_STALE_SCHEMA, "sequence \"%s\" was dropped meanwhile", s->name);
    }
    return NULL;
}

/* `t` becomes `next`. */
static struct error *replace(struct master *m, struct catalog *c, uint64_t id,
                             const struct table *next)
{
    const struct catalog_view *v = catalog_view(c);
    const struct table *t = catalog_table_by_id(v, id);
    struct error *e = t ? master_alter_table(m, t, next)
                        : error_new(E_UNDEFINED_TABLE, "the table was dropped meanwhile");
    catalog_unref(v);
    return e;
}

static struct error *fill(struct master *m, struct exec_session *s, const struct query *q)
{
    const struct table *t = q->alter_table.table;
    TRY(master_alter_table(m, t, q->alter_table.between));
    TRY(exec_draft_bring(s));
    return exec_draft_text(s, t->database, q->names, q->alter_table.fill);
}

/* Another schema, or another name: what defaults say follows. */
static bool is_renamed(const struct sequence *old, const struct sequence *next)
{
    return strcmp(old->name, next->name) != 0 || strcmp(old->schema, next->schema) != 0;
}

/* Values that servers hold are given back first, as by ALTER SEQUENCE. */
static struct error *alter_identities(struct master *m, struct exec *e, const struct query *q)
{
    const struct master_owner nobody = {0};
    for (int i = 0; i < q->alter_table.n_altered; i++) {
        const struct sequence_change *x = &q->alter_table.altered[i];
        if (is_renamed(x->old, x->next))
            continue;
        exec_collect_sequence(e, x->old->id);
        TRY(master_change_sequence(m, x->old, x->next, x->restart, &nobody));
        exec_announce_sequence(e, x->old->id);
    }
    return NULL;
}

/* Sequences into another schema, after their table: it is one of those whose defaults follow. */
static struct error *move_sequences(struct master *m, struct exec *e, const struct query *q)
{
    _cleanup_(arena_done) struct arena a = {0};
    for (int i = 0; i < q->alter_table.n_altered; i++) {
        const struct sequence_change *x = &q->alter_table.altered[i];
        const struct sequence *next = x->next;
        const struct master_owner owner = {.renamed =
                                               sql_next_value_text(next->schema, next->name, &a)};
        if (!is_renamed(x->old, next))
            continue;
        exec_collect_sequence(e, x->old->id);
        TRY(master_change_sequence(m, x->old, next, x->restart, &owner));
        exec_announce_sequence(e, x->old->id);
    }
    return NULL;
}

static struct error *alter_table(struct master *m, struct catalog *c, struct exec *e,
                                 struct exec_session *s, const struct query *q)
{
    const struct table *t = q->alter_table.table;
    _cleanup_(arena_done) struct arena a = {0};
    struct table *next = table_copy(q->alter_table.next, &a);
    TRY(exec_draft_hold(s, t->region));
    for (int i = 0; i < q->alter_table.n_checks; i++)
        if (!q->alter_table.checks[i].after)
            TRY(exec_check_rows(s, q, &q->alter_table.checks[i]));
    TRY(make_sequences(m, c, q, next));
    TRY(alter_identities(m, e, q));
    if (q->alter_table.between)
        TRY(fill(m, s, q));
    if (q->alter_table.file_sql)
        TRY(of_rewrite(exec_draft_ddl(s, t->region, q->alter_table.file_sql), next));
    if (q->alter_table.between) /* a version further */
        TRY(replace(m, c, t->id, next));
    else
        TRY(master_alter_table(m, t, next));
    TRY(move_sequences(m, e, q));
    if (q->n_views)
        TRY(master_change_objects(
            m, &(struct master_objects){.changes = q->views, .n = (size_t)q->n_views}));
    for (int i = 0; i < q->alter_table.n_drop; i++)
        TRY(master_drop_sequence(m, q->alter_table.drop[i]));
    TRY(of_rewrite(exec_draft_bring(s), next));
    for (int i = 0; i < q->alter_table.n_checks; i++)
        if (q->alter_table.checks[i].after) {
            TRY(exec_draft_bring(s));
            TRY(exec_check_rows(s, q, &q->alter_table.checks[i]));
        }
    return NULL;
}

/* ---- sequences ----------------------------------------------------------------------------- */

/* Values that servers hold are given back first, so that what is altered is what was handed out,
 * and all servers know of it before the statement returns. */
static struct error *change_sequence(struct master *m, struct exec *e, const struct query *q)
{
    const struct sequence *old = q->sequence.old;
    _cleanup_(arena_done) struct arena a = {0};
    const struct sequence *next = q->sequence.next;
    bool renamed = old && is_renamed(old, next);
    const struct master_owner owner = {
        .renamed = renamed ? sql_next_value_text(next->schema, next->name, &a) : NULL,
        .said = q->sequence.own,
        .table = q->sequence.owner ? q->sequence.owner->id : 0,
        .column = q->sequence.column};
    if (old)
        exec_collect_sequence(e, old->id);
    TRY(master_change_sequence(m, old, next, q->sequence.restart, &owner));
    if (old)
        exec_announce_sequence(e, old->id);
    return NULL;
}

static struct error *drop_sequences(struct master *m, const struct query *q)
{
    for (int i = 0; i < q->drop.n; i++)
        TRY(master_drop_sequence(m, q->drop.sequences[i]->id));
    return NULL;
}

/* ---- all of them -------------------------------------------------------------------------- */

struct within {
    struct master *master;
    struct catalog *catalog;
    struct exec *exec;
    struct exec_session *session;
};

static struct error *run(struct master *m, struct catalog *c, struct exec *e,
                         struct exec_session *s, const struct query *q);

static struct error *run_element(void *ctx, const struct query *q)
{
    const struct within *w = ctx;
    return run(w->master, w->catalog, w->exec, w->session, q);
}

/* CREATE SCHEMA .. CREATE ..: one after the other, each where those before are there. */
static struct error *elements(struct master *m, struct catalog *c, struct exec *e,
                              struct exec_session *s, const struct query *q)
{
    struct within w = {m, c, e, s};
    for (int i = 0; i < q->objects.n_elements; i++) {
        const struct schema_element *x = &q->objects.elements[i];
        const struct object_change *made = &q->objects.changes[0];
        struct error *failed =
            exec_draft_change(s, (made->next ? made->next : made->old)->database,
                              q->objects.element_names, x->text, run_element, &w);
        if (failed && failed->position)
            failed->position += x->position;
        TRY(failed);
    }
    return NULL;
}

static struct error *run(struct master *m, struct catalog *c, struct exec *e,
                         struct exec_session *s, const struct query *q)
{
    bool elements_follow = q->kind == QUERY_OBJECTS && q->objects.n_elements;
    if (!s && (q->kind == QUERY_ALTER_TABLE || q->n_also || elements_follow))
        return error_new(E_INTERNAL, "%s needs a transaction", q->tag);
    for (int i = 0; i < q->n_also; i++)
        TRY(exec_draft_hold(s, q->also[i].old->region));
    for (int i = 0; q->kind == QUERY_OBJECTS && i < q->objects.n_checks; i++)
        TRY(exec_check_rows(s, q, &q->objects.checks[i]));
    for (int i = 0; i < q->n_also; i++)
        TRY(master_alter_table(m, q->also[i].old, q->also[i].next));
    switch (q->kind) {
    case QUERY_CREATE_TABLE:
        return create_table(m, q);
    case QUERY_DROP_TABLE:
        return drop_tables(m, q);
    case QUERY_CREATE_INDEX:
        return master_create_index(m, q->create_index.table->id, q->create_index.index);
    case QUERY_DROP_INDEX:
        return drop_indexes(m, q);
    case QUERY_CREATE_SEQUENCE:
    case QUERY_ALTER_SEQUENCE:
        return change_sequence(m, e, q);
    case QUERY_DROP_SEQUENCE:
        return drop_sequences(m, q);
    case QUERY_OBJECTS:
        TRY(change_objects(m, q));
        return elements(m, c, e, s, q);
    case QUERY_ALTER_TABLE:
        return alter_table(m, c, e, s, q);
    case QUERY_COMMENT:
    case QUERY_REFRESH:
        return master_alter_table(m, q->alter_table.table, q->alter_table.next);
    default:
        return error_new(E_INTERNAL, "%s is no schema change", q->tag);
    }
}

struct error *schema__run(struct master *m, struct catalog *c, struct exec *e,
                          const struct query *q)
{
    struct error *failed = run(m, c, e, NULL, q);
    if (!error_is(failed, E_NOT_PRIMARY))
        return failed;
    error_free(failed); /* mastership moved on just now */
    return error_hint(error_new(E_UNAVAILABLE, "this server is not the master any more"),
                      "Try again.");
}

/* ---- in a transaction ---------------------------------------------------------------------- */

struct in_transaction {
    struct exec_session *session;
    struct catalog *draft;
};

static struct error *run_in_transaction(void *ctx, const char *server, uint64_t region,
                                        const char *sql)
{
    struct in_transaction *t = ctx;
    return exec_draft_ddl(t->session, region, sql);
}

static struct error *region_of_transaction(void *ctx, int copies, uint64_t *ret)
{
    struct in_transaction *t = ctx;
    return exec_draft_region(t->session, t->draft, copies, ret);
}

struct error *schema__draft(const struct master_options *like, struct exec *e,
                            struct exec_session *s, struct catalog *draft, const struct query *q)
{
    struct in_transaction t = {s, draft};
    struct master_options o = *like;
    o.catalog = draft;
    o.io = (struct master_io){
        .ctx = &t, .run_ddl = run_in_transaction, .region = region_of_transaction};
    struct master *m = master_of_draft(&o);
    struct error *failed = run(m, draft, e, s, q);
    master_of_draft_free(m);
    return failed;
}

struct error *schema__transact(struct master *m, const char *head, const char *body, char tag[64])
{
    uint64_t region;
    int copies, at = 0;
    snprintf(tag, 64, "MASTER");
    if (strcmp(head, "PREPARE") == 0)
        return master_prepare(m, body);
    if (strcmp(head, "SETTLE") == 0)
        return master_settle(m);
    if (strncmp(head, "UNREGION ", strlen("UNREGION ")) == 0)
        return master_drop_region(m, head + strlen("UNREGION "));
    if (sscanf(head, "REGION %d %n", &copies, &at) == 1 && at && head[at]) {
        TRY(master_new_region(m, copies, head + at, &region));
        snprintf(tag, 64, "REGION %llu", (unsigned long long)region);
        return NULL;
    }
    return error_new(E_PROTOCOL, "malformed internal statement");
}
