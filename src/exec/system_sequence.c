/*
 * Sequences in the system tables. They lie in the catalog, not in a region, and look like a table
 * of one row.
 */
#include "exec/system.h"

static const struct column sequence_columns[] = {
    {.name = (char *)"last_value", .type = OID_INT8, .typmod = -1, .not_null = true},
    {.name = (char *)"log_cnt", .type = OID_INT8, .typmod = -1, .not_null = true},
    {.name = (char *)"is_called", .type = OID_BOOL, .typmod = -1, .not_null = true}};

struct table exec__sequence_table(const struct sequence *s)
{
    return (struct table){.id = s->id,
                          .schema = s->schema,
                          .name = s->name,
                          .n_columns = ARRAY_LEN(sequence_columns),
                          .columns = (struct column *)(uintptr_t)sequence_columns};
}

static struct error *make_pg_sequence(struct exec__maker *m)
{
    size_t n;
    const struct sequence *const *sequences = exec__made_sequences(m, &n);
    for (size_t i = 0; i < n; i++) {
        const struct sequence *s = sequences[i];
        if (!exec__needs_int(m, "seqrelid", catalog_oid(s->id)))
            continue;
        exec__put_int(m, "seqrelid", catalog_oid(s->id));
        exec__put_int(m, "seqtypid", s->type);
        exec__put_int(m, "seqstart", s->start);
        exec__put_int(m, "seqincrement", s->increment);
        exec__put_int(m, "seqmax", s->max);
        exec__put_int(m, "seqmin", s->min);
        exec__put_int(m, "seqcache", s->cache);
        exec__put_int(m, "seqcycle", s->cycle);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_pg_sequences(struct exec__maker *m)
{
    for (size_t i = 0; i < m->view->n_sequences; i++) {
        const struct sequence *s = m->view->sequences[i];
        exec__put_text(m, "schemaname", s->schema);
        exec__put_text(m, "sequencename", s->name);
        exec__put_text(m, "sequenceowner", m->run->s->user);
        exec__put_int(m, "data_type", s->type);
        exec__put_int(m, "start_value", s->start);
        exec__put_int(m, "min_value", s->min);
        exec__put_int(m, "max_value", s->max);
        exec__put_int(m, "increment_by", s->increment);
        exec__put_int(m, "cycle", s->cycle);
        exec__put_int(m, "cache_size", s->cache);
        const struct sequence *own = exec__own_sequence(m->run->s, s->id), *now = own ? own : s;
        if (now->called)
            exec__put_int(m, "last_value", now->last);
        TRY(exec__give(m));
    }
    return NULL;
}

static void put_number(struct exec__maker *m, const char *column, int64_t i)
{
    exec__put_text(m, column, arena_printf(&m->arena, "%lld", (long long)i));
}

/* PostgreSQL leaves out those of identity columns. */
static bool is_identity(const struct exec__maker *m, const struct sequence *s)
{
    int column;
    const struct table *t = exec__owner_of(exec__objects_now(m->run->s), s->id, &column);
    return t && t->columns[column].identity;
}

static struct error *make_sequences(struct exec__maker *m)
{
    for (size_t i = 0; i < m->view->n_sequences; i++) {
        const struct sequence *s = m->view->sequences[i];
        if (is_identity(m, s))
            continue;
        exec__put_text(m, "sequence_catalog", m->run->s->database);
        exec__put_text(m, "sequence_schema", s->schema);
        exec__put_text(m, "sequence_name", s->name);
        exec__put_text(m, "data_type", type_label(s->type, -1, &m->arena));
        exec__put_int(m, "numeric_precision", type_by_oid(s->type)->size * 8);
        exec__put_int(m, "numeric_precision_radix", 2);
        exec__put_int(m, "numeric_scale", 0);
        put_number(m, "start_value", s->start);
        put_number(m, "minimum_value", s->min);
        put_number(m, "maximum_value", s->max);
        put_number(m, "increment", s->increment);
        exec__put_text(m, "cycle_option", s->cycle ? "YES" : "NO");
        TRY(exec__give(m));
    }
    return NULL;
}

const struct exec__making exec__making_sequences[] = {
    {.schema = "pg_catalog", .relation = "pg_sequence", .make = make_pg_sequence},
    {.schema = "pg_catalog", .relation = "pg_sequences", .make = make_pg_sequences},
    {.schema = "information_schema", .relation = "sequences", .make = make_sequences},
    {0}};
