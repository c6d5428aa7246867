/*
 * How learners come along. What a server has of a region, only that server knows: it is asked
 * (STATE), and so is the primary, for the end of its log.
 */
#include "exec/exec_int.h"

#include <inttypes.h>

enum { ASK_MS = 500 };

/* ---- asking -----------------------------------------------------------------------------------
 */

enum { FIELDS = 8 };

int exec__state_put(const struct region_status *s, struct value *ret)
{
    const char *error = s->error[0] ? s->error : s->fetch.error;
    const uint64_t numbers[] = {s->repl.last_lsn, s->applied_lsn, s->fetch.state,   s->fetch.done,
                                s->fetch.total,   s->fetch.rate,  s->fetch.received};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        ret[i] = (struct value){.kind = VALUE_INT, .i = (int64_t)numbers[i]};
    ret[FIELDS - 1] = (struct value){.kind = VALUE_TEXT, .s = {error, strlen(error)}};
    return FIELDS;
}

struct answer {
    struct region_status *status;
    bool found;
};

static struct error *take(void *ctx, const struct value *v, int n)
{
    struct answer *a = ctx;
    struct region_status *s = a->status;
    if (n != FIELDS || v[FIELDS - 1].kind != VALUE_TEXT || v[2].i < REGION_FETCH_NONE ||
        v[2].i > REGION_FETCH_INSTALLING)
        return error_new(E_PROTOCOL, "malformed answer to STATE");
    *s = (struct region_status){.repl.last_lsn = (uint64_t)v[0].i,
                                .applied_lsn = (uint64_t)v[1].i,
                                .fetch = {.state = (enum region_fetch_state)v[2].i,
                                          .done = (uint64_t)v[3].i,
                                          .total = (uint64_t)v[4].i,
                                          .rate = (uint64_t)v[5].i,
                                          .received = (uint64_t)v[6].i}};
    snprintf(s->fetch.error, sizeof(s->fetch.error), "%.*s", (int)v[FIELDS - 1].s.n,
             v[FIELDS - 1].s.p);
    a->found = true;
    return NULL;
}

static struct error *ask_peer(struct exec_session *s, const char *server, uint64_t region,
                              struct answer *a)
{
    struct peer_conn *c;
    char text[64];
    s->patience = clock_ms() + ASK_MS;
    TRY(exec__peer_get(s, server, 0, s->patience, &c));
    snprintf(text, sizeof(text), "STATE %" PRIu64, region);
    struct error *e = exec__peer_run(s, c, text, NULL, take, a, NULL, NULL);
    exec__peer_put(c);
    return e;
}

/* False: it doesn't answer, or holds nothing of the region. */
static bool ask(struct exec *e, const char *server, uint64_t region, struct region_status *ret)
{
    struct answer a = {.status = ret};
    *ret = (struct region_status){0};
    if (strcmp(server, e->name) == 0) {
        if (!e->regions || !region_get_status(e->regions, region, ret))
            return false;
        if (ret->error[0])
            memcpy(ret->fetch.error, ret->error, sizeof(ret->fetch.error));
        return true;
    }
    const struct exec_session_options o = {.internal = true};
    struct exec_session *s = exec_session_new(e, &o);
    error_free(ask_peer(s, server, region, &a));
    exec_session_free(s);
    return a.found;
}

/* ---- saying -----------------------------------------------------------------------------------
 */

static void describe(struct exec__learner *l, const struct region_status *s)
{
    static const char *const states[] = {"log",      "waiting",   "preparing",
                                         "snapshot", "comparing", "installing"};
    l->state = states[s->fetch.state];
    if (s->fetch.error[0] && s->fetch.state == REGION_FETCH_NONE)
        l->state = "stopped";
    l->fetching = s->fetch.state != REGION_FETCH_NONE;
    l->done = (int64_t)s->fetch.done;
    l->total = (int64_t)MAX(s->fetch.total, s->fetch.done);
    l->rate = (int64_t)s->fetch.rate;
    l->received = (int64_t)s->fetch.received;
    memcpy(l->message, s->fetch.error, sizeof(l->message));
}

void exec__ask_learner(struct exec *e, const struct region *r, const char *server,
                       struct exec__learner *ret)
{
    struct region_status learner, primary;
    *ret = (struct exec__learner){.state = "unreachable", .behind = -1};
    if (!ask(e, server, r->id, &learner))
        return;
    describe(ret, &learner);
    if (ask(e, r->primary, r->id, &primary))
        ret->behind =
            (int64_t)(primary.repl.last_lsn - MIN(learner.repl.last_lsn, primary.repl.last_lsn));
}

int64_t exec__learner_seconds(const struct exec__learner *l)
{
    return l->fetching && l->rate > 0 ? (l->total - l->done) / l->rate : -1;
}

static void put_part(struct buf *b, const struct exec__learner *l)
{
    enum { MB = 1024 * 1024 };
    int64_t left = exec__learner_seconds(l);
    buf_printf(b, " %d%% of %" PRId64 " MB", l->total ? (int)(l->done * 100 / l->total) : 0,
               l->total / MB);
    if (l->rate > 0)
        buf_printf(b, ", %" PRId64 " MB/s, %" PRId64 " s left", l->rate / MB, left);
}

/* For eyes: "s3: snapshot 42% of 512 MB, 31 MB/s, 9 s left". */
void exec__learner_text(struct buf *b, const char *server, const struct exec__learner *l)
{
    buf_printf(b, "%s: ", server);
    if (strcmp(l->state, "log") == 0) {
        buf_puts(b, "log");
        if (l->behind >= 0)
            buf_printf(b, ", %" PRId64 " entries behind", l->behind);
    } else if (strcmp(l->state, "stopped") == 0) {
        buf_puts(b, l->message);
    } else if (strcmp(l->state, "waiting") == 0) {
        buf_puts(b, "snapshot waits for others");
    } else if (strcmp(l->state, "installing") == 0) {
        buf_puts(b, "snapshot is checked");
    } else {
        buf_puts(b, l->state);
        if (l->fetching)
            put_part(b, l);
    }
}
