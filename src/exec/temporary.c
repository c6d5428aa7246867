/*
 * Temporary tables.
 *
 * They lie in a SQLite database of the session's own (store_open_local), which goes with the
 * session. To plans it is one more region, CATALOG_TEMP_REGION, which is always here.
 *
 *   idle --exec__temp_begin--> open --exec__temp_commit, exec__temp_rollback--> idle
 *
 * In a transaction of the session the database's own begins with the first change, and has a mark
 * for each savepoint then, like a region that is held. A statement outside has one of its own.
 *
 * The records of the tables lie in the same database, so that what undoes rows undoes tables. They
 * are told to analysis as text, a part of the session's names (sql_names): so the key of a cached
 * statement has them, and other servers that analyse a statement know which tables it means. Their
 * ids begin at CATALOG_TEMP_ID; another session has the same.
 *
 * Where sequences are is in memory: like all sequences they do not roll back.
 */
#include "exec/exec_int.h"

struct exec__temp {
    struct store *store;
    bool open;    /* in a transaction */
    bool changed; /* .. which has changed the records */
    bool at_end;  /* some table has ON COMMIT .. */
    char *text;   /* the records, as exec_temp_text() gives them; NULL: none */
    uint64_t generation;
    uint64_t last_id;
    int n_sequences;
    struct sequence *sequences; /* names are the arena's */
    struct arena arena;
};

static const char create_records[] =
    "CREATE TABLE IF NOT EXISTS minisql_temporary (id INTEGER PRIMARY KEY, file_name TEXT NOT NULL,"
    " on_commit TEXT NOT NULL, key TEXT NOT NULL, record TEXT NOT NULL) STRICT";

static sqlite3 *db_of(const struct exec__temp *t)
{
    return store_db(store_writer(t->store));
}

static struct error *run(struct exec__temp *t, const char *sql)
{
    return store_apply_ddl(t->store, sql, strlen(sql), 1);
}

/* ---- the database --------------------------------------------------------------------------- */

static struct error *open_it(struct exec_session *s)
{
    if (s->temp)
        return NULL;
    struct exec__temp *t = NEW(struct exec__temp);
    t->last_id = CATALOG_TEMP_ID;
    struct error *e = store_open_local(&t->store);
    if (!e)
        e = store_begin(t->store);
    if (!e)
        e = run(t, create_records);
    if (!e)
        e = store_commit(t->store, 0, 0);
    if (e) {
        store_close(t->store);
        mem_free(t);
        return e;
    }
    s->temp = t;
    return NULL;
}

void exec__temp_close(struct exec_session *s)
{
    struct exec__temp *t = s->temp;
    if (!t)
        return;
    store_close(t->store);
    mem_free(t->text);
    mem_free(t->sequences);
    arena_done(&t->arena);
    mem_free(t);
    s->temp = NULL;
}

struct error *exec__temp_conn(struct exec_session *s, struct store_conn **ret)
{
    if (!s->temp)
        return error_new(E_STALE_SCHEMA, "the session has no temporary tables");
    *ret = store_writer(s->temp->store);
    return NULL;
}

/* ---- the records ---------------------------------------------------------------------------- */

static struct error *read_records(struct exec__temp *t)
{
    static const char *const sql =
        "SELECT key || ' ' || record, on_commit <> '' FROM minisql_temporary ORDER BY id";
    struct buf text = {0};
    sqlite3_stmt *stmt;
    t->at_end = false;
    TRY(store_prepare(store_writer(t->store), sql, strlen(sql), &stmt));
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        buf_printf(&text, "%s\n", (const char *)sqlite3_column_text(stmt, 0));
        t->at_end |= sqlite3_column_int(stmt, 1) != 0;
    }
    struct error *e = rc == SQLITE_DONE ? NULL : types_sqlite_error(db_of(t), rc);
    store_release(store_writer(t->store), stmt);
    mem_free(t->text);
    t->text = text.data;
    t->generation++;
    return e;
}

const char *exec_temp_text(const struct exec_session *s)
{
    return s->temp ? s->temp->text : NULL;
}

uint64_t exec_temp_generation(const struct exec_session *s)
{
    return s->temp ? s->temp->generation : 0;
}

const struct catalog_view *exec__with_temporary(const struct exec_session *s,
                                                const struct catalog_view *v)
{
    const char *text = exec_temp_text(s);
    return text ? catalog_view_with(v, text) : v;
}

static struct error *put_record(struct exec__temp *t, uint64_t id, const char *file_name,
                                char on_commit, char *key, char *record)
{
    static const char *const sql =
        "INSERT OR REPLACE INTO minisql_temporary VALUES (?1, ?2, ?3, ?4, ?5)";
    const char letter[2] = {on_commit, 0};
    const struct value values[] = {{.kind = VALUE_INT, .i = (int64_t)id},
                                   {.kind = VALUE_TEXT, .s = {file_name, strlen(file_name)}},
                                   {.kind = VALUE_TEXT, .s = {letter, strlen(letter)}},
                                   {.kind = VALUE_TEXT, .s = {key, strlen(key)}},
                                   {.kind = VALUE_TEXT, .s = {record, strlen(record)}}};
    sqlite3_stmt *stmt;
    struct error *e = store_prepare(store_writer(t->store), sql, strlen(sql), &stmt);
    if (!e) {
        e = exec__bind(db_of(t), stmt, values, ARRAY_LEN(values));
        if (!e && sqlite3_step(stmt) != SQLITE_DONE)
            e = types_sqlite_error(db_of(t), sqlite3_errcode(db_of(t)));
        store_release(store_writer(t->store), stmt);
    }
    mem_free(key);
    mem_free(record);
    return e;
}

static struct error *put_table(struct exec__temp *t, const struct table *table)
{
    char *text;
    TRY(catalog_table_text(table, &text));
    return put_record(t, table->id, table_file_name(table), table->on_commit,
                      catalog_id_key(CATALOG_TABLE, table->id), text);
}

static struct error *put_sequence(struct exec__temp *t, const struct sequence *s)
{
    char *text;
    TRY(catalog_sequence_text(s, &text));
    return put_record(t, s->id, "", 0, catalog_id_key(CATALOG_SEQUENCE, s->id), text);
}

static struct error *drop_record(struct exec__temp *t, uint64_t id)
{
    char sql[80];
    snprintf(sql, sizeof(sql), "DELETE FROM minisql_temporary WHERE id = %llu",
             (unsigned long long)id);
    return store_exec(store_writer(t->store), sql);
}

/* ---- transactions --------------------------------------------------------------------------- */

struct error *exec__temp_begin(struct exec_session *s)
{
    TRY(open_it(s));
    struct exec__temp *t = s->temp;
    if (t->open)
        return NULL;
    TRY(store_begin(t->store));
    t->open = true;
    t->changed = false;
    for (int i = 0; i < s->n_savepoints; i++)
        TRY(store_mark(t->store));
    return NULL;
}

static bool is_open(const struct exec_session *s)
{
    return s->temp && s->temp->open;
}

struct error *exec__temp_mark(struct exec_session *s)
{
    return is_open(s) ? store_mark(s->temp->store) : NULL;
}

struct error *exec__temp_unmark(struct exec_session *s)
{
    return is_open(s) ? store_release_mark(s->temp->store) : NULL;
}

struct error *exec__temp_undo(struct exec_session *s)
{
    if (!is_open(s))
        return NULL;
    TRY(store_rollback_to(s->temp->store));
    return s->temp->changed ? read_records(s->temp) : NULL;
}

void exec__temp_rollback(struct exec_session *s)
{
    if (!is_open(s))
        return;
    store_rollback(s->temp->store);
    s->temp->open = false;
    if (s->temp->changed)
        error_free(read_records(s->temp));
}

static const char *plain_name(const char *file_name)
{
    static const char schema[] = CATALOG_TEMP_SCHEMA ":";
    const char *at = strstr(file_name, schema);
    return at ? at + strlen(schema) : file_name;
}

/* What a foreign key ties is emptied together. */
static struct error *check_on_commit(struct exec__temp *t)
{
    static const char *const sql =
        "SELECT c.file_name, p.file_name FROM minisql_temporary p, minisql_temporary c, "
        "pragma_foreign_key_list(c.file_name) f WHERE p.on_commit = ? AND c.file_name <> '' "
        "AND c.on_commit <> p.on_commit AND f.\"table\" = p.file_name COLLATE NOCASE";
    const char letter[2] = {TEMP_DELETE, 0};
    struct error *e = NULL;
    sqlite3_stmt *stmt;
    TRY(store_prepare(store_writer(t->store), sql, strlen(sql), &stmt));
    sqlite3_bind_text(stmt, 1, letter, 1, SQLITE_STATIC);
    if (sqlite3_step(stmt) == SQLITE_ROW)
        e = error_detail(
            error_new(E_UNSUPPORTED, "unsupported ON COMMIT and foreign key combination"),
            "Table \"%s\" references \"%s\", but they do not have the same ON COMMIT setting.",
            plain_name((const char *)sqlite3_column_text(stmt, 0)),
            plain_name((const char *)sqlite3_column_text(stmt, 1)));
    store_release(store_writer(t->store), stmt);
    return e;
}

/* What each table's ON COMMIT says. */
static struct error *run_on_commit(struct exec__temp *t)
{
    static const char *const sql = "SELECT id, file_name, on_commit FROM minisql_temporary"
                                   " WHERE on_commit <> '' ORDER BY id DESC";
    _cleanup_(buf_done) struct buf rows = {0}, tables = {0};
    sqlite3_stmt *stmt;
    TRY(check_on_commit(t));
    buf_puts(&rows, "PRAGMA defer_foreign_keys = ON;");
    TRY(store_prepare(store_writer(t->store), sql, strlen(sql), &stmt));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        bool drop = *(const char *)sqlite3_column_text(stmt, 2) == TEMP_DROP;
        struct buf *out = drop ? &tables : &rows;
        buf_puts(out, drop ? "DROP TABLE " : "DELETE FROM ");
        sql_quote((const char *)sqlite3_column_text(stmt, 1), out);
        buf_puts(out, ";");
        if (drop)
            buf_printf(out, "DELETE FROM minisql_temporary WHERE id = %lld;",
                       (long long)sqlite3_column_int64(stmt, 0));
    }
    store_release(store_writer(t->store), stmt);
    TRY(store_exec(store_writer(t->store), rows.data));
    if (!tables.len)
        return NULL;
    t->changed = true;
    return run(t, tables.data);
}

struct error *exec__temp_commit(struct exec_session *s)
{
    if (!is_open(s))
        return NULL;
    struct exec__temp *t = s->temp;
    struct error *e = t->at_end ? run_on_commit(t) : NULL;
    if (!e)
        e = store_commit(t->store, 0, 0);
    if (e) {
        exec__temp_rollback(s);
        return e;
    }
    t->open = false;
    return t->changed ? read_records(t) : NULL;
}

/* After what was done in it: outside of a transaction of the session it was one of its own. */
static struct error *end(struct exec_session *s, struct error *e)
{
    if (e && is_open(s) && store_ended(s->temp->store)) { /* it was cancelled */
        exec__temp_rollback(s);
        s->lost = s->in_transaction;
    }
    if (s->in_transaction)
        return e;
    if (!e)
        return exec__temp_commit(s);
    exec__temp_rollback(s);
    return e;
}

/* ---- statements ----------------------------------------------------------------------------- */

struct error *exec__temp_run(struct run *r)
{
    struct exec_session *s = r->s;
    struct store_conn *c;
    TRY(exec__temp_conn(s, &c));
    if (!r->plan->writes)
        return exec__run_on(r, c);
    if (r->plan->query->n_sequences > 0 && !s->draft)
        TRY(exec__sequences_ready(r->e, r->plan->query));
    TRY(exec__temp_begin(s));
    return end(s, exec__run_on(r, c));
}

/* ---- schema changes ------------------------------------------------------------------------- */

static struct error *give_id(void *ctx, uint64_t *id)
{
    struct exec__temp *t = ctx;
    if (!*id)
        *id = ++t->last_id;
    return NULL;
}

static void keep_sequence(struct exec__temp *t, const struct sequence *s)
{
    t->sequences = mem_realloc(t->sequences, sizeof(*t->sequences) * (size_t)(t->n_sequences + 1));
    struct sequence *mine = &t->sequences[t->n_sequences++];
    *mine = *s;
    mine->schema = arena_strdup(&t->arena, s->schema);
    mine->name = arena_strdup(&t->arena, s->name);
    mine->comment = NULL;
}

static struct error *create_table(struct exec__temp *t, const struct query *q, struct arena *a)
{
    struct table *table = table_copy(q->create_table.table, a);
    table->id = ++t->last_id;
    table->version = 1;
    table->region = CATALOG_TEMP_REGION;
    for (int i = 0; i < table->n_foreign_keys; i++)
        if (!table->foreign_keys[i].table)
            table->foreign_keys[i].table = table->id;
    for (int i = 0; i < table->n_owned; i++) {
        struct sequence s = q->create_table.sequences[i];
        s.id = ++t->last_id;
        table->owned[i].sequence = table->columns[table->owned[i].column].sequence = s.id;
        keep_sequence(t, &s);
        TRY(put_sequence(t, &s));
    }
    for (int c = 0; c < table->n_columns; c++)
        if (table->columns[c].sequence >= CATALOG_NEW_SEQUENCE)
            table->columns[c].sequence =
                table->owned[table->columns[c].sequence - CATALOG_NEW_SEQUENCE].sequence;
    TRY(table_each_id(table, give_id, t));
    TRY(run(t, table->ddl));
    for (int i = 0; i < table->n_indexes; i++)
        TRY(run(t, table->indexes[i].ddl));
    return put_table(t, table);
}

static struct error *create_sequence(struct exec__temp *t, const struct query *q)
{
    struct sequence s = *q->sequence.next;
    s.id = ++t->last_id;
    keep_sequence(t, &s);
    return put_sequence(t, &s);
}

static struct sequence *find_sequence(struct exec_session *s, uint64_t id)
{
    for (int i = 0; s->temp && i < s->temp->n_sequences; i++)
        if (s->temp->sequences[i].id == id)
            return &s->temp->sequences[i];
    return NULL;
}

static struct error *no_sequence(const struct exec_session *s)
{
    if (s->internal)
        return exec__not_elsewhere("take values of a temporary sequence",
                                   "INSERT .. SELECT without RETURNING can.");
    return error_new(E_UNDEFINED_TABLE, "the sequence belongs to a temporary table of another "
                                        "session, or is gone");
}

/* Where a sequence is does not roll back, so neither would this. */
static struct error *alter_sequence(struct exec_session *s, const struct query *q)
{
    struct sequence next = *q->sequence.next;
    struct sequence *mine = find_sequence(s, next.id);
    if (q->sequence.own || strcmp(next.name, q->sequence.old->name) != 0)
        return error_hint(error_new(E_UNSUPPORTED, "this form of ALTER SEQUENCE is not supported "
                                                   "for temporary sequences"),
                          "Make another one.");
    if (s->in_transaction)
        return error_hint(error_new(E_UNSUPPORTED, "ALTER SEQUENCE of a temporary sequence is not "
                                                   "supported inside a transaction block"),
                          "setval() sets where it is.");
    if (!mine)
        return no_sequence(s);
    if (!q->sequence.restart) {
        next.last = mine->last;
        next.called = mine->called;
    }
    TRY(catalog_check_position(&next));
    next.schema = mine->schema;
    next.name = mine->name;
    next.comment = NULL;
    *mine = next;
    return put_sequence(s->temp, &next);
}

static struct error *drop_sequences(struct exec__temp *t, const struct query *q)
{
    for (int i = 0; i < q->drop.n; i++)
        TRY(drop_record(t, q->drop.sequences[i]->id));
    return NULL;
}

static struct error *drop_tables(struct exec__temp *t, const struct query *q)
{
    _cleanup_(buf_done) struct buf sql = {0};
    for (int i = q->drop.n - 1; i >= 0; i--) {
        const struct table *table = q->drop.tables[i];
        buf_puts(&sql, "DROP TABLE ");
        sql_quote(table_file_name(table), &sql);
        buf_puts(&sql, ";");
        TRY(drop_record(t, table->id));
        for (int k = 0; k < table->n_owned; k++)
            TRY(drop_record(t, table->owned[k].sequence));
    }
    return run(t, sql.data);
}

static struct error *create_index(struct exec__temp *t, const struct query *q, struct arena *a)
{
    const struct index *x = q->create_index.index;
    struct table *next = table_copy(q->create_index.table, a);
    struct index *all = ARENA_ARRAY(a, struct index, next->n_indexes + 1);
    for (int i = 0; i < next->n_indexes; i++)
        all[i] = next->indexes[i];
    all[next->n_indexes++] = *x;
    next->indexes = all;
    next->version++;
    TRY(table_each_id(next, give_id, t));
    struct error *e = run(t, x->ddl);
    if (error_is(e, E_UNIQUE)) {
        error_free(e);
        e = error_new(E_UNIQUE, "could not create unique index \"%s\"", x->name);
        e->schema = mem_strdup(next->schema);
        e->table = mem_strdup(next->name);
        e->constraint = mem_strdup(x->name);
    }
    return e ? e : put_table(t, next);
}

static struct error *drop_indexes(struct exec__temp *t, const struct query *q, struct arena *a)
{
    for (int i = 0; i < q->drop.n; i++) {
        _cleanup_(buf_done) struct buf sql = {0};
        struct table *next = table_copy(q->drop.tables[i], a);
        int n = 0;
        for (int k = 0; k < next->n_indexes; k++)
            if (strcmp(next->indexes[k].name, q->drop.indexes[i]->name) != 0)
                next->indexes[n++] = next->indexes[k];
        next->n_indexes = n;
        next->version++;
        buf_puts(&sql, "DROP INDEX ");
        sql_quote(index_file_name(q->drop.indexes[i]), &sql);
        TRY(run(t, sql.data));
        TRY(put_table(t, next));
    }
    return NULL;
}

/* ---- ALTER TABLE ----------------------------------------------------------------------------
 *
 * As of other tables (region/schema.c), but that the rows are always copied: what is temporary is
 * small.
 */

static struct error *refuse_form(const char *why)
{
    return error_hint(error_new(E_UNSUPPORTED,
                                "this form of ALTER TABLE is not supported for temporary tables%s",
                                why),
                      "Create another one, and INSERT INTO ... SELECT.");
}

/* Calls back with each row's first column. */
static struct error *each_name(struct exec__temp *t, const char *sql, const char *name,
                               void (*row)(void *ctx, const char *name), void *ctx)
{
    sqlite3_stmt *stmt;
    TRY(store_prepare(store_writer(t->store), sql, strlen(sql), &stmt));
    sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        row(ctx, (const char *)sqlite3_column_text(stmt, 0));
    struct error *e = rc == SQLITE_DONE ? NULL : types_sqlite_error(db_of(t), rc);
    store_release(store_writer(t->store), stmt);
    return e;
}

struct reshape {
    const struct table *next;
    struct buf common; /* columns that the table has and will have */
    bool same;         /* its text is that of `next` */
    bool referenced;
};

static void text_found(void *ctx, const char *text)
{
    struct reshape *r = ctx;
    r->same = strcmp(text, r->next->ddl) == 0;
}

static void reference_found(void *ctx, const char *name)
{
    ((struct reshape *)ctx)->referenced = true;
}

static void column_found(void *ctx, const char *name)
{
    struct reshape *r = ctx;
    int i = table_column(r->next, name);
    if (i < 0 || r->next->columns[i].generated)
        return;
    buf_puts(&r->common, r->common.len ? ", " : "");
    sql_quote(name, &r->common);
}

static struct error *look(struct exec__temp *t, struct reshape *r)
{
    const char *name = table_file_name(r->next);
    TRY(each_name(t, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", name,
                  text_found, r));
    TRY(each_name(t,
                  "SELECT s.name FROM sqlite_schema s, pragma_foreign_key_list(s.name) f "
                  "WHERE s.type = 'table' AND f.\"table\" = ? COLLATE NOCASE",
                  name, reference_found, r));
    return each_name(t, "SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", name,
                     column_found, r);
}

static struct error *copy_rows(struct exec__temp *t, const struct reshape *r)
{
    _cleanup_(buf_done) struct buf name = {0};
    _cleanup_(buf_done) struct buf sql = {0};
    sql_quote(table_file_name(r->next), &name);
    if (strncmp(r->next->ddl, "CREATE TABLE ", 13) != 0 ||
        strncmp(r->next->ddl + 13, name.data, name.len) != 0)
        return error_new(E_DAMAGED, "the record of table \"%s\" has the text of another one",
                         r->next->name);
    buf_printf(&sql, "CREATE TABLE minisql_next%s;", r->next->ddl + 13 + name.len);
    if (r->common.len)
        buf_printf(&sql, "INSERT INTO minisql_next (%s) SELECT %s FROM %s;", r->common.data,
                   r->common.data, name.data);
    buf_printf(&sql, "DROP TABLE %s; ALTER TABLE minisql_next RENAME TO %s", name.data, name.data);
    return run(t, sql.data);
}

static struct error *make_indexes(struct exec__temp *t, const struct table *old,
                                  const struct table *next)
{
    for (int i = 0; i < old->n_indexes; i++) {
        _cleanup_(buf_done) struct buf sql = {0};
        buf_puts(&sql, "DROP INDEX IF EXISTS ");
        sql_quote(index_file_name(&old->indexes[i]), &sql);
        TRY(run(t, sql.data));
    }
    for (int i = 0; i < next->n_indexes; i++)
        TRY(run(t, next->indexes[i].ddl));
    return NULL;
}

static struct error *follow(struct exec__temp *t, const struct table *old, const struct table *next,
                            const char *file_sql)
{
    struct reshape r = {.next = next};
    if (file_sql)
        TRY(run(t, file_sql));
    struct error *e = look(t, &r);
    if (!e && !r.same)
        e = r.referenced ? refuse_form(" that a foreign key references") : copy_rows(t, &r);
    buf_done(&r.common);
    return e ? e : make_indexes(t, old, next);
}

static struct error *new_sequences(struct exec__temp *t, const struct query *q, struct table *next)
{
    int made = 0;
    for (int i = 0; i < next->n_owned; i++) {
        if (next->owned[i].sequence)
            continue;
        struct sequence s = q->alter_table.sequences[made++];
        s.id = ++t->last_id;
        next->owned[i].sequence = next->columns[next->owned[i].column].sequence = s.id;
        keep_sequence(t, &s);
        TRY(put_sequence(t, &s));
    }
    return NULL;
}

static struct error *check(struct exec_session *s, const struct query *q, bool after)
{
    for (int i = 0; i < q->alter_table.n_checks; i++)
        if (q->alter_table.checks[i].after == after)
            TRY(exec_check_rows(s, q, &q->alter_table.checks[i]));
    return NULL;
}

/* Of rows that don't fit into the table as it will be. */
static struct error *as_checked(const struct query *q, struct error *e)
{
    for (int i = 0; i < q->alter_table.n_checks && e; i++) {
        const struct alter_check *k = &q->alter_table.checks[i];
        if (!error_is(e, k->sqlstate))
            continue;
        error_free(e);
        return exec__check_error(q->alter_table.table, k);
    }
    return e;
}

static struct error *put_objects(struct exec__temp *t, const struct object_change *changes, int n,
                                 struct arena *a)
{
    for (int i = 0; i < n; i++) {
        const struct object_change *c = &changes[i];
        char *text;
        if (!c->next) {
            TRY(drop_record(t, c->old->id));
            continue;
        }
        struct object *next = object_copy(c->next, a);
        next->id = c->old ? c->old->id : ++t->last_id;
        next->version++;
        TRY(catalog_object_text(next, &text));
        TRY(put_record(t, next->id, "", 0, catalog_id_key(CATALOG_OBJECT, next->id), text));
    }
    return NULL;
}

static struct error *alter_table(struct exec_session *s, const struct query *q, struct arena *a)
{
    struct exec__temp *t = s->temp;
    const struct table *old = q->alter_table.table;
    struct table *next = table_copy(q->alter_table.next, a);
    if (q->n_also || q->alter_table.between || q->alter_table.n_altered)
        return refuse_form("");
    TRY(check(s, q, false));
    next->version++;
    TRY(new_sequences(t, q, next));
    TRY(table_each_id(next, give_id, t));
    for (int i = 0; i < q->alter_table.n_drop; i++)
        TRY(drop_record(t, q->alter_table.drop[i]));
    TRY(as_checked(q, follow(t, old, next, q->alter_table.file_sql)));
    TRY(put_table(t, next));
    TRY(put_objects(t, q->views, q->n_views, a));
    TRY(read_records(t));
    return check(s, q, true);
}

/* Views, with the tables that go with them. */
static struct error *change_objects(struct exec__temp *t, const struct query *q, struct arena *a)
{
    const struct query drops = {.drop = {.n = q->objects.n_drop, .tables = q->objects.drop}};
    if (drops.drop.n)
        TRY(drop_tables(t, &drops));
    return put_objects(t, q->objects.changes, q->objects.n, a);
}

static const struct table *changed_table(const struct query *q, int i)
{
    switch (q->kind) {
    case QUERY_CREATE_TABLE:
        return i == 0 ? q->create_table.table : NULL;
    case QUERY_CREATE_INDEX:
        return i == 0 ? q->create_index.table : NULL;
    case QUERY_ALTER_TABLE:
    case QUERY_COMMENT:
        return i == 0 ? q->alter_table.table : NULL;
    case QUERY_DROP_TABLE:
    case QUERY_DROP_INDEX:
        return i < q->drop.n ? q->drop.tables[i] : NULL;
    case QUERY_OBJECTS:
        return i < q->objects.n_drop ? q->objects.drop[i] : NULL;
    default:
        return NULL;
    }
}

static const struct sequence *changed_sequence(const struct query *q, int i)
{
    switch (q->kind) {
    case QUERY_CREATE_SEQUENCE:
        return i == 0 ? q->sequence.next : NULL;
    case QUERY_ALTER_SEQUENCE:
        return i == 0 ? q->sequence.old : NULL;
    case QUERY_DROP_SEQUENCE:
        return i < q->drop.n ? q->drop.sequences[i] : NULL;
    default:
        return NULL;
    }
}

struct error *exec__temp_concerns(const struct query *q, bool *ret)
{
    int temporary = 0, n = 0, n_sequences = 0;
    for (const struct table *t; (t = changed_table(q, n)); n++)
        temporary += table_is_temporary(t);
    const struct sequence *s;
    for (int i = 0; (s = changed_sequence(q, i)); i++, n++, n_sequences++)
        temporary += strcmp(s->schema, CATALOG_TEMP_SCHEMA) == 0;
    for (int i = 0; q->kind == QUERY_OBJECTS && i < q->objects.n; i++, n++) {
        const struct object_change *c = &q->objects.changes[i];
        temporary += strcmp((c->next ? c->next : c->old)->schema, CATALOG_TEMP_SCHEMA) == 0;
    }
    *ret = temporary > 0;
    if (temporary && temporary < n)
        return error_hint(error_new(E_UNSUPPORTED,
                                    "%s of temporary and permanent %s at once is not supported",
                                    q->tag, n_sequences ? "sequences" : "tables"),
                          "Use a statement for each.");
    return NULL;
}

static struct error *change(struct exec_session *s, const struct query *q, struct arena *a)
{
    struct exec__temp *t = s->temp;
    t->changed = true;
    switch (q->kind) {
    case QUERY_CREATE_TABLE:
        return create_table(t, q, a);
    case QUERY_DROP_TABLE:
        return drop_tables(t, q);
    case QUERY_CREATE_INDEX:
        return create_index(t, q, a);
    case QUERY_DROP_INDEX:
        return drop_indexes(t, q, a);
    case QUERY_ALTER_TABLE:
    case QUERY_COMMENT:
        return alter_table(s, q, a);
    case QUERY_CREATE_SEQUENCE:
        return create_sequence(t, q);
    case QUERY_DROP_SEQUENCE:
        return drop_sequences(t, q);
    case QUERY_ALTER_SEQUENCE:
        return alter_sequence(s, q);
    case QUERY_OBJECTS:
        return change_objects(t, q, a);
    default:
        return error_hint(
            error_new(E_UNSUPPORTED, "%s is not supported for temporary tables", q->tag),
            "Say it when the table is created.");
    }
}

struct error *exec__temp_ddl(struct run *r)
{
    struct exec_session *s = r->s;
    _cleanup_(arena_done) struct arena a = {0};
    TRY(exec__temp_begin(s));
    struct error *e = change(s, r->plan->query, &a);
    if (!e && s->in_transaction)
        e = read_records(s->temp);
    return end(s, e);
}

struct error *exec_temp_discard(struct exec_session *s)
{
    static const char *const sql =
        "SELECT file_name FROM minisql_temporary WHERE file_name <> '' ORDER BY id DESC";
    _cleanup_(buf_done) struct buf drops = {0};
    sqlite3_stmt *stmt;
    if (!s->temp || !s->temp->text)
        return NULL;
    struct exec__temp *t = s->temp;
    TRY(exec__temp_begin(s));
    TRY(store_prepare(store_writer(t->store), sql, strlen(sql), &stmt));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        buf_puts(&drops, "DROP TABLE ");
        sql_quote((const char *)sqlite3_column_text(stmt, 0), &drops);
        buf_puts(&drops, ";");
    }
    store_release(store_writer(t->store), stmt);
    buf_puts(&drops, "DELETE FROM minisql_temporary");
    t->changed = true;
    struct error *e = run(t, drops.data);
    if (!e && s->in_transaction)
        e = read_records(t);
    return end(s, e);
}

/* ---- sequences ------------------------------------------------------------------------------ */

const struct sequence *exec__temp_sequence(struct exec_session *s, uint64_t id)
{
    return find_sequence(s, id);
}

struct error *exec__temp_next(struct exec_session *s, uint64_t id, int64_t *ret)
{
    struct sequence *q = find_sequence(s, id);
    if (!q)
        return no_sequence(s);
    bool up = q->increment > 0;
    if (q->called) {
        bool over = up ? q->last > q->max - q->increment : q->last < q->min - q->increment;
        if (over && !q->cycle)
            return error_new("2200H", "nextval: reached %s value of sequence \"%s\" (%lld)",
                             up ? "maximum" : "minimum", q->name,
                             (long long)(up ? q->max : q->min));
        q->last = over ? (up ? q->min : q->max) : q->last + q->increment;
    }
    q->called = true;
    *ret = q->last;
    return NULL;
}

struct error *exec__temp_set(struct exec_session *s, uint64_t id, int64_t value, bool called)
{
    struct sequence *q = find_sequence(s, id);
    if (!q)
        return no_sequence(s);
    if (value < q->min || value > q->max)
        return error_new(E_OUT_OF_RANGE,
                         "setval: value %lld is out of bounds for sequence \"%s\" (%lld..%lld)",
                         (long long)value, q->name, (long long)q->min, (long long)q->max);
    q->last = value;
    q->called = called;
    return NULL;
}

struct error *exec__temp_restart(struct exec_session *s, uint64_t id)
{
    const struct sequence *q = find_sequence(s, id);
    return q ? exec__temp_set(s, id, q->start, false) : no_sequence(s);
}
