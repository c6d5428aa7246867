/*
 * Transactions as the client sees them.
 *
 *   I --BEGIN--> T --error--> E --ROLLBACK, COMMIT--> I
 *                ^\--ROLLBACK TO savepoint------------/ (E -> T)
 *
 * The letters are those of ReadyForQuery. Several statements in one simple query, or several
 * Executes before one Sync, make an implicit transaction: the state stays I, exec/ has one open.
 *
 * A failed transaction gives back at once what it holds, so that nobody waits for a client that
 * thinks; only when there are savepoints it has to be kept.
 */
#include "gateway/gateway_int.h"

static void over(struct session *s, bool committed)
{
    s->txn = 'I';
    s->implicit = s->savepoints = false;
    extended__end_portals(s, committed);
    notify__transaction_end(s, committed);
    settings__transaction_end(s, committed);
}

void transaction__failed(struct session *s)
{
    if (transaction__outside(s)) {
        extended__end_portals(s, false);
        notify__transaction_end(s, false);
        settings__transaction_end(s, false);
        return;
    }
    if (!s->savepoints && exec_in_transaction(s->exec))
        exec_rollback(s->exec);
    if (s->txn == 'I')
        over(s, false);
    else
        s->txn = 'E';
}

static const char *isolation_name(enum isolation i)
{
    switch (i) {
    case READ_UNCOMMITTED:
        return "read uncommitted";
    case READ_COMMITTED:
        return "read committed";
    case REPEATABLE_READ:
        return "repeatable read";
    case SERIALIZABLE:
        return "serializable";
    case ISOLATION_DEFAULT:
        break;
    }
    return NULL;
}

static enum isolation level_of(struct session *s)
{
    const char *name = settings__isolation(s);
    enum isolation level = SERIALIZABLE;
    while (level > READ_UNCOMMITTED && strcmp(name, isolation_name(level)) != 0)
        level--;
    return level;
}

void transaction__isolate(struct session *s)
{
    exec_isolate(s->exec, level_of(s), s->read_only);
}

/* A transaction begins with the session's modes. */
static void by_default(struct session *s)
{
    s->read_only = s->settings.read_only;
    s->deferrable = s->settings.deferrable;
    transaction__isolate(s);
}

struct error *transaction__begin_implicit(struct session *s)
{
    if (!transaction__outside(s))
        return NULL;
    TRY(exec_begin(s->exec));
    s->implicit = true;
    by_default(s);
    return NULL;
}

struct error *transaction__end_implicit(struct session *s)
{
    if (!s->implicit)
        return NULL;
    struct error *e = exec_commit(s->exec);
    over(s, e == NULL);
    return e;
}

/* Of the transaction, or of those that follow. */
struct error *transaction__set_modes(struct session *s, const struct transaction_modes *m,
                                     bool session)
{
    const char *isolation = isolation_name(m->isolation);
    const char *values[] = {m->read_only < 0 ? NULL
                            : m->read_only   ? "on"
                                             : "off",
                            isolation,
                            m->deferrable < 0 ? NULL
                            : m->deferrable   ? "on"
                                              : "off"};
    static const char *const names[] = {"default_transaction_read_only",
                                        "default_transaction_isolation",
                                        "default_transaction_deferrable"};
    if (!session && transaction__outside(s))
        session__notice(s, NOTICE_WARNING, "25P01",
                        "SET TRANSACTION can only be used in transaction blocks");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (values[i])
            TRY(settings__set(s, session ? names[i] : names[i] + strlen("default_"), values[i],
                              !session));
    return NULL;
}

static struct error *begin(struct session *s, const struct transaction_modes *m)
{
    if (s->txn == 'T') {
        session__notice(s, NOTICE_WARNING, "25001", "there is already a transaction in progress");
        return NULL;
    }
    if (!s->implicit)
        TRY(exec_begin(s->exec));
    s->implicit = false;
    s->txn = 'T';
    by_default(s);
    return transaction__set_modes(s, m, false);
}

static void warn_no_transaction(struct session *s)
{
    session__notice(s, NOTICE_WARNING, "25P01", "there is no transaction in progress");
}

static struct error *commit(struct session *s, const char **ret_tag)
{
    if (s->txn == 'I') {
        warn_no_transaction(s);
        return transaction__end_implicit(s);
    }
    if (s->txn == 'E') {
        *ret_tag = "ROLLBACK";
        if (exec_in_transaction(s->exec))
            exec_rollback(s->exec);
        over(s, false);
        return NULL;
    }
    struct error *e = exec_commit(s->exec);
    over(s, e == NULL);
    return e;
}

static void rollback(struct session *s)
{
    if (s->txn == 'I')
        warn_no_transaction(s);
    if (exec_in_transaction(s->exec))
        exec_rollback(s->exec);
    over(s, false);
}

static struct error *outside_block(const char *what)
{
    return error_new("25P01", "%s can only be used in transaction blocks", what);
}

static struct error *savepoint(struct session *s, const char *name)
{
    if (s->txn == 'I')
        return outside_block("SAVEPOINT");
    TRY(exec_savepoint(s->exec, name));
    s->savepoints = true;
    return NULL;
}

/* What was made read-only inside of a savepoint is so no longer than that. */
static void savepoints_gone(struct session *s, int left)
{
    if (s->read_only_depth <= left)
        return;
    s->read_only = false;
    s->read_only_depth = 0;
}

static struct error *release(struct session *s, const char *name)
{
    if (s->txn == 'I')
        return outside_block("RELEASE SAVEPOINT");
    TRY(exec_release(s->exec, name));
    savepoints_gone(s, exec_savepoints(s->exec));
    extended__end_depth(s, exec_savepoints(s->exec), false);
    notify__released(s, exec_savepoints(s->exec));
    settings__merge(&s->settings, exec_savepoints(s->exec));
    return NULL;
}

static struct error *rollback_to(struct session *s, const char *name)
{
    if (s->txn == 'I')
        return outside_block("ROLLBACK TO SAVEPOINT");
    if (!exec_in_transaction(s->exec))
        return error_new("3B001", "savepoint \"%s\" does not exist", name);
    TRY(exec_rollback_to(s->exec, name));
    savepoints_gone(s, exec_savepoints(s->exec) - 1);
    extended__end_depth(s, exec_savepoints(s->exec) - 1, true);
    notify__undone(s, exec_savepoints(s->exec) - 1);
    settings__savepoint_undone(s, exec_savepoints(s->exec));
    transaction__isolate(s);
    s->txn = 'T';
    return NULL;
}

struct error *transaction__run(struct session *s, const struct query *q, const char **ret_tag)
{
    const struct transaction_modes same = {
        .isolation = q->transaction.chain ? level_of(s) : ISOLATION_DEFAULT,
        .read_only = s->read_only,
        .deferrable = s->deferrable,
    };
    switch (q->transaction.kind) {
    case TRANSACTION_BEGIN:
        return begin(s, &q->transaction.modes);
    case TRANSACTION_COMMIT:
        if (q->transaction.chain && s->txn == 'I')
            return outside_block("COMMIT AND CHAIN");
        TRY(commit(s, ret_tag));
        break;
    case TRANSACTION_ROLLBACK:
        if (q->transaction.chain && s->txn == 'I')
            return outside_block("ROLLBACK AND CHAIN");
        rollback(s);
        break;
    case TRANSACTION_SAVEPOINT:
        return savepoint(s, q->transaction.savepoint);
    case TRANSACTION_RELEASE:
        return release(s, q->transaction.savepoint);
    case TRANSACTION_ROLLBACK_TO:
        return rollback_to(s, q->transaction.savepoint);
    }
    return q->transaction.chain ? begin(s, &same) : NULL;
}
