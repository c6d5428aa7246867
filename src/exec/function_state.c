/* System functions about what runs: advisory locks, other sessions, transaction ids. */
#include "exec/system.h"

#define FUNCTION(name)                                                                             \
    struct error *exec__##name(const struct value *v, int n, struct arena *a, struct value *ret)

static struct error *no_session(void)
{
    return error_new(E_UNSUPPORTED, "this function needs a session");
}

/* ---- advisory locks ---------------------------------------------------------------------------
 */

static struct error *lock(const struct value *v, int n, int how, struct value *ret)
{
    struct exec_session *s;
    bool got = false;
    TRY(exec__client(&s));
    TRY(exec__advisory_lock(s, v, n, how, &got));
    *ret = how & ADVISORY_TRY ? (struct value){.kind = VALUE_INT, .i = got}
                              : (struct value){.kind = VALUE_TEXT, .s = {"", 0}};
    return NULL;
}

static struct error *unlock(const struct value *v, int n, int how, struct value *ret)
{
    struct exec_session *s;
    bool held = false;
    TRY(exec__client(&s));
    TRY(exec__advisory_unlock(s, v, n, how, &held));
    *ret = (struct value){.kind = VALUE_INT, .i = held};
    return NULL;
}

#define LOCK(name, what, how)                                                                      \
    FUNCTION(name)                                                                                 \
    {                                                                                              \
        return what(v, n, how, ret);                                                               \
    }
LOCK(lock_, lock, 0)
LOCK(lock_shared, lock, ADVISORY_SHARED)
LOCK(lock_xact, lock, ADVISORY_XACT)
LOCK(lock_xact_shared, lock, ADVISORY_XACT | ADVISORY_SHARED)
LOCK(try_lock, lock, ADVISORY_TRY)
LOCK(try_lock_shared, lock, ADVISORY_TRY | ADVISORY_SHARED)
LOCK(try_lock_xact, lock, ADVISORY_TRY | ADVISORY_XACT)
LOCK(try_lock_xact_shared, lock, ADVISORY_TRY | ADVISORY_XACT | ADVISORY_SHARED)
LOCK(unlock_, unlock, 0)
LOCK(unlock_shared, unlock, ADVISORY_SHARED)

FUNCTION(unlock_all)
{
    struct exec_session *s;
    *ret = (struct value){.kind = VALUE_TEXT, .s = {"", 0}};
    TRY(exec__client(&s));
    return exec__advisory_unlock_all(s);
}

/* ---- other sessions ---------------------------------------------------------------------------
 */

static bool was_signalled(void *ctx, const char *tag)
{
    bool *done = ctx;
    *done = strcmp(tag, "SIGNAL 1") == 0;
    return *done;
}

/* Here, or at whichever server has the session. */
static struct error *signal_session(int32_t pid, bool terminate, struct value *ret)
{
    struct exec_session *s = exec__attended();
    if (!s || !s->io.signal)
        return no_session();
    bool done = s->io.signal(s->io.ctx, pid, terminate);
    _cleanup_(mem_freep) char *text = mem_printf("SIGNAL %d %d", pid, terminate);
    if (!done && pid > 0)
        TRY(exec__each_peer(s->exec, text, NULL, NULL, was_signalled, &done));
    if (!done)
        exec__warn(s, "PID %d is not a PostgreSQL backend process", pid);
    *ret = (struct value){.kind = VALUE_INT, .i = done};
    return atomic_load(&s->cancel) ? exec__canceled() : NULL; /* it was our own */
}

FUNCTION(cancel_backend)
{
    return signal_session((int32_t)v[0].i, false, ret);
}

FUNCTION(terminate_backend)
{
    if (n == 2 && v[1].i < 0)
        return error_new("22003", "\"timeout\" must not be negative");
    return signal_session((int32_t)v[0].i, true, ret);
}
