/* What a client is told of a schema change with client_min_messages = debug1: the indexes and
 * sequences that come along with a table's keys and serial columns. */
#include "gateway/gateway_int.h"

static void tell_sequence(struct session *s, const char *command, const struct table *t,
                          const struct sequence *q, int column)
{
    session__notice(s, NOTICE_DEBUG, "00000",
                    "%s will create implicit sequence \"%s\" for serial column \"%s.%s\"", command,
                    q->name, t->name, t->columns[column].name);
}

static void tell_key(struct session *s, const char *command, const struct table *t,
                     const struct key *k)
{
    session__notice(s, NOTICE_DEBUG, "00000",
                    "%s %s will create implicit index \"%s\" for table \"%s\"", command,
                    k->primary ? "PRIMARY KEY" : "UNIQUE", k->name, t->name);
}

/* The new ones: an old index, also one that became a key (USING INDEX), has an id. */
static void tell_keys(struct session *s, const char *command, const struct table *t)
{
    for (int primary = 1; primary >= 0; primary--)
        for (int i = 0; i < t->n_keys; i++)
            if (t->keys[i].primary == primary && !t->keys[i].index_id)
                tell_key(s, command, t, &t->keys[i]);
}

static void tell_of_new(struct session *s, const struct query *q)
{
    const struct table *t = q->create_table.table;
    for (int i = 0; i < t->n_owned; i++)
        tell_sequence(s, "CREATE TABLE", t, &q->create_table.sequences[i], t->owned[i].column);
    tell_keys(s, "CREATE TABLE /", t);
}

static void tell_of_altered(struct session *s, const struct query *q)
{
    const struct table *next = q->alter_table.next;
    int made = 0;
    for (int i = 0; i < next->n_owned && made < q->alter_table.n_sequences; i++)
        if (!next->owned[i].sequence)
            tell_sequence(s, "ALTER TABLE", next, &q->alter_table.sequences[made++],
                          next->owned[i].column);
    tell_keys(s, "ALTER TABLE / ADD", next);
}

void implicit__tell(struct session *s, const struct query *q)
{
    if (s->settings.min_messages > NOTICE_DEBUG)
        return;
    if (q->kind == QUERY_CREATE_TABLE && !q->create_table.exists)
        tell_of_new(s, q);
    else if (q->kind == QUERY_ALTER_TABLE && q->alter_table.next)
        tell_of_altered(s, q);
}
