/*
 * Instructions: who may execute which, and what becomes of it.
 *
 *   PUT -> CLAIMED     [claim]     a swap: the statement unmoved, no claim and no result yet
 *   CLAIMED -> DONE    [conclude]  a swap: the claim unmoved, no result yet
 *   DONE -> gone       [expire]    a swap: the result unmoved; statement, claim and result at once
 *
 * Invariants:
 *  1. Nothing is executed without a claim, and a claim is made once. Putting the statement again,
 *     or another under the same id, changes nothing until the id has expired.
 *  2. A claim holds the request id under which the statement's write is sent. When the server
 *     crashes between claim and result, its next life sends the write again under the same id: the
 *     region either finds its stored result, or had never got it (see exec.h). What has no request
 *     id, a schema change say, is not tried again; its result says that its outcome is unknown.
 *  3. The claims of a server are its own: its name and its data directory have one process.
 */
#include "instruct/instruct_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { LOOK_MS = 1000, CALL_MS = 2000 };

/* One id, as the store has it. */
struct item {
    const char *id;
    const struct coord_kv *statement, *claim, *result;
};

/* ---- listing ------------------------------------------------------------------------------ */

static struct item *item_of(struct item *items, size_t *n, const char *id)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp(items[i].id, id) == 0)
            return &items[i];
    items[*n] = (struct item){.id = id};
    return &items[(*n)++];
}

/* What a key beneath the root belongs to: <id>, <id>/claim or <id>/result; others mean nothing. */
static void sort_in(struct instruct *in, const struct coord_kv *kv, struct arena *a,
                    struct item *items, size_t *n)
{
    const char *rest = kv->key + strlen(in->root), *slash = strchr(rest, '/');
    if (!*rest || slash == rest || (slash && strcmp(slash, "/claim") && strcmp(slash, "/result")))
        return;
    const char *id = arena_strndup(a, rest, slash ? (size_t)(slash - rest) : strlen(rest));
    struct item *item = item_of(items, n, id);
    if (!slash)
        item->statement = kv;
    else if (slash[1] == 'c')
        item->claim = kv;
    else
        item->result = kv;
}

static int by_age(const void *a, const void *b)
{
    const struct coord_kv *x = ((const struct item *)a)->statement,
                          *y = ((const struct item *)b)->statement;
    uint64_t at_x = x ? x->create_revision : 0, at_y = y ? y->create_revision : 0;
    return at_x < at_y ? -1 : at_x > at_y;
}

/* ---- records ------------------------------------------------------------------------------ */

static char *key_of(struct instruct *in, const char *id, const char *what)
{
    return mem_printf("%s%s%s", in->root, id, what);
}

static struct coord_op put_op(const char *key, const char *value)
{
    return (struct coord_op){
        .kind = COORD_PUT, .key = key, .value = value, .value_len = strlen(value)};
}

/* False: not one of ours. */
static bool parse_claim(const struct coord_kv *kv, struct store_request *ret_request, bool *ret_own,
                        const char *token)
{
    json_t *o = json_loadb(kv->value, kv->value_len, 0, NULL);
    json_int_t request = json_integer_value(json_object_get(o, "request"));
    const char *by = json_string_value(json_object_get(o, "by"));
    bool ok = request > 0 && by;
    *ret_request = (struct store_request){.gateway = (uint64_t)request, .seq = 1};
    *ret_own = by && strcmp(by, token) == 0;
    json_decref(o);
    return ok;
}

/* When it was finished, by the wall clock; 0: not one of ours. */
static uint64_t finished_ms(const struct coord_kv *result)
{
    json_t *o = json_loadb(result->value, result->value_len, JSON_ALLOW_NUL, NULL);
    json_int_t at = json_integer_value(json_object_get(o, "finished"));
    json_decref(o);
    return at > 0 ? (uint64_t)at : 0;
}

static struct error *txn(struct instruct *in, const struct coord_compare *compares, size_t n,
                         const struct coord_op *ops, size_t n_ops, bool *ret_succeeded)
{
    return coord_txn(in->o.coord, compares, n, ops, n_ops, CALL_MS, ret_succeeded, NULL);
}

/* ---- steps -------------------------------------------------------------------------------- */

static bool stopping(struct instruct *in)
{
    pthread_mutex_lock(&in->lock);
    bool stop = in->stop;
    pthread_mutex_unlock(&in->lock);
    return stop;
}

/* False: it stops meanwhile. */
static bool pause_ms(struct instruct *in, unsigned ms)
{
    uint64_t deadline = clock_ms() + ms;
    struct timespec t = {.tv_sec = (time_t)(deadline / 1000),
                         .tv_nsec = (long)(deadline % 1000) * 1000000L};
    pthread_mutex_lock(&in->lock);
    while (!in->stop && clock_ms() < deadline)
        pthread_cond_timedwait(&in->wake, &in->lock, &t);
    bool stop = in->stop;
    pthread_mutex_unlock(&in->lock);
    return !stop;
}

/* Makes the claim. Without an answer (08007) the next look finds it, or not. */
static struct error *claim(struct instruct *in, const struct item *item,
                           struct store_request *ret_request, bool *ret_claimed)
{
    uint64_t id;
    TRY(catalog_next_id(in->o.catalog, &id));
    _cleanup_(mem_freep) char *key = key_of(in, item->id, "/claim");
    _cleanup_(mem_freep) char *result = key_of(in, item->id, "/result");
    _cleanup_(mem_freep) char *text =
        mem_printf("{\"by\":\"%s\",\"request\":%" PRIu64 ",\"started\":%" PRIu64 "}", in->token, id,
                   clock_wall_ms());
    const struct coord_compare compares[] = {
        {COORD_UNMOVED, item->statement->key, item->statement->mod_revision},
        {COORD_ABSENT, key, 0},
        {COORD_ABSENT, result, 0}};
    struct coord_op op = put_op(key, text);
    *ret_request = (struct store_request){.gateway = id, .seq = 1};
    return txn(in, compares, 3, &op, 1, ret_claimed);
}

/* Writes the result, however long the store is away: a claim without one would be taken up again.
 */
static void conclude(struct instruct *in, const struct item *item, const char *text)
{
    _cleanup_(mem_freep) char *claim = key_of(in, item->id, "/claim");
    _cleanup_(mem_freep) char *result = key_of(in, item->id, "/result");
    const struct coord_compare compares[] = {{COORD_EXISTS, claim, 0}, {COORD_ABSENT, result, 0}};
    struct coord_op op = put_op(result, text);
    for (bool told = false;; told = true) {
        bool succeeded;
        struct error *e = txn(in, compares, 2, &op, 1, &succeeded);
        if (!e && !succeeded)
            log_warn("instruction=%s: its claim was removed, or it has a result already", item->id);
        if (!e)
            return;
        if (!told)
            log_failure(LOG_WARN, e, "instruction=%s: the result can't be written yet", item->id);
        error_free(e);
        if (!pause_ms(in, LOOK_MS))
            return;
    }
}

static struct error *execute(struct instruct *in, const struct item *item)
{
    struct store_request request;
    bool own = true, claimed = item->claim != NULL;
    if (!claimed) {
        TRY(claim(in, item, &request, &claimed));
        if (!claimed)
            return NULL;
    } else if (!parse_claim(item->claim, &request, &own, in->token)) {
        return error_new(E_DAMAGED, "\"%s\" is no claim of a server", item->claim->key);
    }
    log_info("instruction=%s: %s", item->id, own ? "begins" : "is taken up again");
    json_t *record;
    instruct__run(in, item->statement->value, &request, !own, &record);
    if (!record)
        return NULL;
    char *text = json_dumps(record, JSON_COMPACT);
    json_decref(record);
    if (!text)
        return error_new(E_INTERNAL, "could not write a result as JSON");
    conclude(in, item, text);
    free(text);
    return NULL;
}

/* Removes all of an id, when its result is old or its statement was removed before it began. */
static struct error *expire(struct instruct *in, const struct item *item)
{
    uint64_t finished = item->result ? finished_ms(item->result) : 0;
    bool old = finished && clock_wall_ms() >= finished + in->o.keep_s * UINT64_C(1000);
    if (item->result ? !old : item->statement != NULL)
        return NULL;
    const struct coord_kv *all[] = {item->result, item->claim, item->statement};
    struct coord_compare compares[3];
    struct coord_op ops[3];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (!all[i])
            continue;
        compares[n] = (struct coord_compare){COORD_UNMOVED, all[i]->key, all[i]->mod_revision};
        ops[n++] = (struct coord_op){.kind = COORD_DELETE, .key = all[i]->key};
    }
    bool succeeded;
    return txn(in, compares, n, ops, n, &succeeded);
}

/* ---- the thread --------------------------------------------------------------------------- */

/* zkCli creates no parents: so the place is there before the first instruction. */
static struct error *make_root(struct instruct *in)
{
    _cleanup_(mem_freep) char *key = mem_strndup(in->root, strlen(in->root) - 1);
    struct coord_compare absent = {COORD_ABSENT, key, 0};
    struct coord_op op = put_op(key, "");
    bool succeeded;
    TRY(txn(in, &absent, 1, &op, 1, &succeeded));
    in->rooted = true;
    return NULL;
}

static struct error *look(struct instruct *in)
{
    if (!in->rooted)
        TRY(make_root(in));
    _cleanup_(coord_list_done) struct coord_list list = {0};
    TRY(coord_list(in->o.coord, in->root, CALL_MS, &list));
    _cleanup_(arena_done) struct arena a = {0};
    struct item *items = ARENA_ARRAY(&a, struct item, list.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < list.n; i++)
        sort_in(in, &list.kvs[i], &a, items, &n);
    qsort(items, n, sizeof(*items), by_age);
    for (size_t i = 0; i < n && !stopping(in); i++) {
        if (items[i].statement && !items[i].result)
            TRY(execute(in, &items[i]));
        else
            TRY(expire(in, &items[i]));
    }
    return NULL;
}

static void *instruct_main(void *arg)
{
    struct instruct *in = arg;
    do {
        struct error *e = look(in);
        if (e && !error_is(e, E_UNAVAILABLE) && !error_is(e, E_COORD_UNKNOWN))
            log_failure(LOG_WARN, e, "instructions");
        error_free(e);
    } while (pause_ms(in, LOOK_MS));
    return NULL;
}

/* ---- life --------------------------------------------------------------------------------- */

static void instruct_free(struct instruct *in)
{
    pthread_cond_destroy(&in->wake);
    pthread_mutex_destroy(&in->lock);
    mem_free(in->root);
    mem_free(in);
}

struct error *instruct_open(const struct instruct_options *o, struct instruct **ret)
{
    struct instruct *in = NEW(struct instruct);
    in->o = *o;
    in->root = mem_printf("/minisql/servers/%s/instructions/", o->name);
    snprintf(in->token, sizeof(in->token), "%016" PRIx64, random_u64());
    pthread_mutex_init(&in->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&in->wake, &attr);
    pthread_condattr_destroy(&attr);
    int err = pthread_create(&in->thread, NULL, instruct_main, in);
    if (err) {
        instruct_free(in);
        return error_errno(E_OUT_OF_MEMORY, err, "could not start a thread");
    }
    *ret = in;
    return NULL;
}

void instruct_close(struct instruct *in)
{
    if (!in)
        return;
    pthread_mutex_lock(&in->lock);
    in->stop = true;
    if (in->session)
        exec_cancel(in->session);
    pthread_cond_signal(&in->wake);
    pthread_mutex_unlock(&in->lock);
    pthread_join(in->thread, NULL);
    instruct_free(in);
}
