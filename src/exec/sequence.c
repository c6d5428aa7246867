/*
 * Sequences: handing out values.
 *
 * The truth is the sequence's record in the coordination store, whose `last` is the last value that
 * any server was given. A server takes a block of values by compare-and-swap, and hands them out
 * from memory: first 32, twice as many each time a block lasted less than a second. The next block
 * is fetched in the background when half is gone, so that a statement seldom waits for the store,
 * and a short outage of it goes unnoticed.
 *
 * Invariants:
 *  1. A value is given to one server, and by that to one call: what a server had left when it was
 *     killed is lost, and what was handed out in a statement that failed or was retried, too.
 *  2. Values that are left are given back (at a clean stop, before the sequence is looked at or
 *     altered) only when nobody has taken a later block: else `last` is not ours to lower.
 *  3. setval() and ALTER SEQUENCE raise the generation. Blocks of an older one are thrown away when
 *     the server's view of the catalog shows the new one: by itself soon (changed()), and before
 *     setval() returns, at every server that answers ("SEQUENCE see").
 *
 * currval() and lastval() are the client's session's, at its gateway. A statement that runs at
 * another server takes the session's values along when it reads them, and brings back those that it
 * drew (rows.c, 'V').
 */
#include "exec/system.h"

enum { FIRST_BLOCK = 32, BLOCK_MAX = 1 << 16, SHORT_MS = 1000, LONG_MS = 10000, PEER_MS = 1500 };

/* Values that nobody has yet: next, next + increment .. last. */
struct range {
    int64_t first, next, last, increment;
    int64_t before; /* `last` and `called` of the record when it was taken */
    bool called_before;
    uint64_t generation;
};

struct pool {
    uint64_t id;
    pthread_mutex_t
        filling;          /* taken before `lock`: one fetches, the others wait for what it gets */
    pthread_mutex_t lock; /* guards what follows; no I/O under it */
    int n;
    struct range ranges[2]; /* in the order in which they are handed out */
    uint64_t size;          /* of the last block */
    uint64_t taken_ms;
    bool wanted; /* queued for the background */
    struct pool *next_wanted;
};

struct sequences {
    pthread_mutex_t lock; /* guards all below; a leaf */
    pthread_cond_t wake;
    struct map pools; /* id -> struct pool; they stay until the end */
    struct pool *wanted;
    pthread_t thread;
    bool running, stop;
};

/* ---- blocks --------------------------------------------------------------------------------- */

static uint64_t left_in(const struct range *r)
{
    uint64_t distance = r->increment > 0 ? (uint64_t)r->last - (uint64_t)r->next
                                         : (uint64_t)r->next - (uint64_t)r->last;
    uint64_t step = r->increment > 0 ? (uint64_t)r->increment : 0 - (uint64_t)r->increment;
    return distance / step + 1;
}

static uint64_t left_in_pool(const struct pool *p)
{
    uint64_t left = 0;
    for (int i = 0; i < p->n; i++)
        left += left_in(&p->ranges[i]);
    return left;
}

static void drop_first(struct pool *p)
{
    p->ranges[0] = p->ranges[1];
    p->n--;
}

/* False: there is none. *ret_low: time to fetch more. */
static bool hand_out(struct pool *p, int64_t *ret, bool *ret_low)
{
    if (p->n == 0)
        return false;
    struct range *r = &p->ranges[0];
    *ret = r->next;
    if (r->next == r->last)
        drop_first(p);
    else
        r->next += r->increment;
    *ret_low = !p->wanted && p->n < 2 && left_in_pool(p) * 2 <= p->size;
    p->wanted |= *ret_low;
    return true;
}

static struct error *exhausted(const struct sequence *s)
{
    bool up = s->increment > 0;
    return error_new("2200H", "nextval: reached %s value of sequence \"%s\" (%lld)",
                     up ? "maximum" : "minimum", s->name, (long long)(up ? s->max : s->min));
}

struct taking {
    uint64_t size;
    struct range range;
};

/* Moves `last` of the newest record on by as many values as are wanted, and there are. */
static struct error *take(void *ctx, struct sequence *s, bool *ret_skip)
{
    struct taking *t = ctx;
    (void)ret_skip;
    bool up = s->increment > 0;
    uint64_t step = up ? (uint64_t)s->increment : 0 - (uint64_t)s->increment;
    uint64_t room =
        up ? (uint64_t)s->max - (uint64_t)s->last : (uint64_t)s->last - (uint64_t)s->min;
    int64_t first = s->last;
    if (s->called && room < step) {
        if (!s->cycle)
            return exhausted(s);
        first = up ? s->min : s->max;
    } else if (s->called) {
        first = (int64_t)((uint64_t)s->last + (uint64_t)s->increment);
    }
    room = up ? (uint64_t)s->max - (uint64_t)first : (uint64_t)first - (uint64_t)s->min;
    uint64_t more = MIN(room / step, t->size - 1);
    t->range = (struct range){.first = first,
                              .next = first,
                              .last = (int64_t)((uint64_t)first + more * (uint64_t)s->increment),
                              .increment = s->increment,
                              .before = s->last,
                              .called_before = s->called,
                              .generation = s->generation};
    s->last = t->range.last;
    s->called = true;
    return NULL;
}

struct giving {
    struct range range;
};

static struct error *give_back(void *ctx, struct sequence *s, bool *ret_skip)
{
    const struct range *r = &((struct giving *)ctx)->range;
    *ret_skip = s->generation != r->generation || !s->called || s->last != r->last;
    if (*ret_skip)
        return NULL;
    bool untouched = r->next == r->first;
    s->last = untouched ? r->before : (int64_t)((uint64_t)r->next - (uint64_t)r->increment);
    s->called = untouched ? r->called_before : true;
    return NULL;
}

/* ---- pools ---------------------------------------------------------------------------------- */

static struct pool *find_pool(struct exec *e, uint64_t id)
{
    struct sequences *q = e->sequences;
    pthread_mutex_lock(&q->lock);
    struct pool *p = map_get_u64(&q->pools, id);
    if (!p) {
        p = NEW(struct pool);
        p->id = id;
        pthread_mutex_init(&p->filling, NULL);
        pthread_mutex_init(&p->lock, NULL);
        map_put_u64(&q->pools, id, p);
    }
    pthread_mutex_unlock(&q->lock);
    return p;
}

/* By the present view: a sequence that it does not show yet has no newer generation. */
static bool is_old(struct exec *e, uint64_t id, uint64_t generation)
{
    const struct catalog_view *v = catalog_view(e->catalog);
    const struct sequence *s = catalog_sequence_by_id(v, id);
    bool old = s && s->generation > generation;
    catalog_unref(v);
    return old;
}

/* The view is looked at under the lock: either it shows a newer generation, or whoever publishes
 * that one finds the block here. */
static void install(struct exec *e, struct pool *p, const struct range *r)
{
    pthread_mutex_lock(&p->lock);
    struct range *last = p->n > 0 ? &p->ranges[p->n - 1] : NULL;
    if (is_old(e, p->id, r->generation)) {
        p->n = 0;
    } else if (last && last->generation == r->generation && last->last == r->before &&
               r->called_before && left_in(last) < BLOCK_MAX &&
               r->first == (int64_t)((uint64_t)last->last + (uint64_t)r->increment)) {
        last->last = r->last;
    } else if (p->n < 2) {
        p->ranges[p->n++] = *r;
    }
    pthread_mutex_unlock(&p->lock);
}

static uint64_t next_size(const struct pool *p)
{
    uint64_t lasted = clock_ms() - p->taken_ms;
    if (p->size == 0 || lasted > LONG_MS)
        return FIRST_BLOCK;
    return lasted < SHORT_MS ? MIN(p->size * 2, (uint64_t)BLOCK_MAX) : p->size;
}

/* Fetches a block. `ahead`: though there is one. */
static struct error *fill(struct exec *e, struct pool *p, bool ahead)
{
    pthread_mutex_lock(&p->filling);
    pthread_mutex_lock(&p->lock);
    /* What was given back meanwhile is not fetched again before it is asked for. */
    bool enough = ahead ? p->n != 1 : p->n > 0;
    struct taking t = {.size = next_size(p)};
    pthread_mutex_unlock(&p->lock);
    struct error *err = enough ? NULL : catalog_step_sequence(e->catalog, p->id, false, take, &t);
    if (!enough && !err) {
        install(e, p, &t.range);
        pthread_mutex_lock(&p->lock);
        p->size = t.size;
        p->taken_ms = clock_ms();
        pthread_mutex_unlock(&p->lock);
    }
    pthread_mutex_unlock(&p->filling);
    return err;
}

/* ---- the background ------------------------------------------------------------------------- */

static void *fetch_ahead(void *ctx)
{
    struct exec *e = ctx;
    struct sequences *q = e->sequences;
    pthread_mutex_lock(&q->lock);
    while (!q->stop) {
        struct pool *p = q->wanted;
        if (!p) {
            pthread_cond_wait(&q->wake, &q->lock);
            continue;
        }
        q->wanted = p->next_wanted;
        pthread_mutex_unlock(&q->lock);
        /* Who finds nothing left tells why. */
        error_free(fill(e, p, true));
        pthread_mutex_lock(&p->lock);
        p->wanted = false;
        pthread_mutex_unlock(&p->lock);
        pthread_mutex_lock(&q->lock);
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

static void want(struct exec *e, struct pool *p)
{
    struct sequences *q = e->sequences;
    pthread_mutex_lock(&q->lock);
    if (!q->running)
        q->running = pthread_create(&q->thread, NULL, fetch_ahead, e) == 0;
    p->next_wanted = q->wanted;
    q->wanted = p;
    pthread_cond_signal(&q->wake);
    pthread_mutex_unlock(&q->lock);
}

/* ---- old blocks ----------------------------------------------------------------------------- */

static void forget_old(struct exec *e, struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    if (p->n > 0 && is_old(e, p->id, p->ranges[0].generation))
        p->n = 0;
    else if (p->n > 1 && is_old(e, p->id, p->ranges[1].generation))
        p->n = 1;
    pthread_mutex_unlock(&p->lock);
}

static struct pool **all_pools(struct exec *e, size_t *ret_n)
{
    struct sequences *q = e->sequences;
    pthread_mutex_lock(&q->lock);
    struct pool **all = mem_alloc(sizeof(struct pool *) * (q->pools.len + 1));
    void *p;
    *ret_n = 0;
    for (size_t i = 0; map_next(&q->pools, &i, &p);)
        all[(*ret_n)++] = p;
    pthread_mutex_unlock(&q->lock);
    return all;
}

static void changed(void *ctx, const struct catalog_view *v)
{
    struct exec *e = ctx;
    (void)v;
    size_t n;
    struct pool **all = all_pools(e, &n);
    for (size_t i = 0; i < n; i++)
        forget_old(e, all[i]);
    mem_free(all);
}

static void return_values(struct exec *e, struct pool *p)
{
    pthread_mutex_lock(&p->filling);
    pthread_mutex_lock(&p->lock);
    int n = p->n;
    struct giving g = {.range = n > 0 ? p->ranges[n - 1] : (struct range){0}};
    p->n = 0;
    pthread_mutex_unlock(&p->lock);
    if (n > 0)
        error_free(catalog_step_sequence(e->catalog, p->id, true, give_back, &g));
    pthread_mutex_unlock(&p->filling);
}

/* ---- life ----------------------------------------------------------------------------------- */

void exec__sequences_open(struct exec *e)
{
    struct sequences *q = NEW(struct sequences);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->wake, NULL);
    e->sequences = q;
    catalog_on_change(e->catalog, changed, e);
}

void exec__sequences_close(struct exec *e)
{
    struct sequences *q = e->sequences;
    catalog_on_change_stop(e->catalog, e);
    pthread_mutex_lock(&q->lock);
    q->stop = true;
    pthread_cond_signal(&q->wake);
    pthread_mutex_unlock(&q->lock);
    if (q->running)
        pthread_join(q->thread, NULL);
    size_t n;
    struct pool **all = all_pools(e, &n);
    bool reachable = catalog_connected(e->catalog);
    for (size_t i = 0; i < n; i++) {
        if (reachable)
            return_values(e, all[i]);
        pthread_mutex_destroy(&all[i]->filling);
        pthread_mutex_destroy(&all[i]->lock);
        mem_free(all[i]);
    }
    mem_free(all);
    map_done(&q->pools);
    pthread_cond_destroy(&q->wake);
    pthread_mutex_destroy(&q->lock);
    mem_free(q);
}

/* ---- all servers ---------------------------------------------------------------------------- */

/* What a server is asked to do: "give" back what it has left, or to "see" the newest record. */
static struct error *do_here(struct exec *e, bool give, uint64_t id)
{
    if (give)
        return_values(e, find_pool(e, id));
    else
        error_free(catalog_refresh(e->catalog, PEER_MS));
    forget_old(e, find_pool(e, id));
    return NULL;
}

static void at_all_servers(struct exec *e, bool give, uint64_t id)
{
    char text[64];
    snprintf(text, sizeof(text), "SEQUENCE %s %llu", give ? "give" : "see", (unsigned long long)id);
    error_free(do_here(e, give, id));
    exec__tell_servers(e, text, PEER_MS);
}

struct error *exec__sequence_request(struct exec *e, const char *what, uint64_t id)
{
    bool give = strcmp(what, "give") == 0;
    if (!give && strcmp(what, "see") != 0)
        return error_new(E_PROTOCOL, "malformed internal statement");
    return do_here(e, give, id);
}

void exec_collect_sequence(struct exec *e, uint64_t id)
{
    at_all_servers(e, true, id);
}

void exec_announce_sequence(struct exec *e, uint64_t id)
{
    at_all_servers(e, false, id);
}

/* ---- what a session has drawn --------------------------------------------------------------- */

static struct drawn *find_drawn(struct exec_session *s, uint64_t sequence)
{
    for (int i = 0; i < s->n_drawn; i++)
        if (s->drawn[i].sequence == sequence)
            return &s->drawn[i];
    return NULL;
}

/*
 * A sequence that the session's transaction has made or altered: its draft has a record of it. What
 * is not in the store is nobody else's yet, and of what is there nobody may have taken a value
 * meanwhile, or the transaction does not commit; so values come one by one from a copy here. The
 * server that the transaction holds has one, too; how far one is the other is told (rows.c, 'W').
 *
 * Each generation has a copy of its own: what is altered after a savepoint and undone goes on where
 * it was. The draft's record is behind its copy until exec__made_put().
 */
static struct sequence *copy_of(struct exec_session *s, const struct sequence *q)
{
    for (int i = 0; i < s->n_made; i++)
        if (s->made[i].id == q->id && s->made[i].generation == q->generation)
            return &s->made[i];
    if (s->n_made == s->cap_made) {
        s->cap_made = MAX(4, s->cap_made * 2);
        s->made = mem_realloc(s->made, sizeof(*s->made) * (size_t)s->cap_made);
    }
    struct sequence *copy = &s->made[s->n_made++];
    *copy = *q;
    copy->schema = copy->comment = NULL;
    copy->name = mem_strdup(q->name);
    return copy;
}

static struct sequence *made(struct exec_session *s, uint64_t id)
{
    if (!s->draft)
        return NULL;
    const struct catalog_view *own = catalog_view(s->draft);
    const struct sequence *q = catalog_sequence_by_id(own->all, id);
    struct sequence *copy = q && catalog_sequence_is_drafted(q) ? copy_of(s, q) : NULL;
    catalog_unref(own);
    return copy;
}

const struct sequence *exec__own_sequence(struct exec_session *s, uint64_t id)
{
    return id > CATALOG_TEMP_ID ? exec__temp_sequence(s, id) : made(s, id);
}

const struct sequence *exec__made_at(const struct exec_session *s, int i)
{
    const struct catalog_view *own = catalog_view(s->draft);
    const struct sequence *q = catalog_sequence_by_id(own->all, s->made[i].id);
    bool current = q && catalog_sequence_is_drafted(q) && q->generation == s->made[i].generation;
    catalog_unref(own);
    return current ? &s->made[i] : NULL;
}

void exec__made_is_at(struct exec_session *s, uint64_t id, int64_t last, bool called)
{
    struct sequence *own = made(s, id);
    if (own) {
        own->last = last;
        own->called = called;
    }
}

static struct error *put_made(void *ctx, struct sequence *s, bool *ret_skip)
{
    const struct sequence *q = ctx;
    *ret_skip = s->last == q->last && s->called == q->called;
    s->last = q->last;
    s->called = q->called;
    return NULL;
}

struct error *exec__made_put(struct exec_session *s)
{
    for (int i = 0; i < s->n_made; i++)
        if (exec__made_at(s, i))
            TRY(catalog_step_sequence(s->draft, s->made[i].id, true, put_made, &s->made[i]));
    return NULL;
}

void exec__made_undo(struct exec_session *s)
{
    const struct catalog_view *own = catalog_view(s->draft);
    int n = 0;
    for (int i = 0; i < s->n_made; i++) {
        const struct sequence *q = catalog_sequence_by_id(own->all, s->made[i].id);
        if (q && catalog_sequence_is_drafted(q) && q->generation >= s->made[i].generation)
            s->made[n++] = s->made[i];
        else
            mem_free(s->made[i].name);
    }
    s->n_made = n;
    catalog_unref(own);
}

void exec__made_forget(struct exec_session *s)
{
    for (int i = 0; i < s->n_made; i++)
        mem_free(s->made[i].name);
    s->n_made = 0;
}

void exec__drew(struct exec_session *s, uint64_t sequence, int64_t value, bool last)
{
    struct drawn *d = find_drawn(s, sequence);
    if (!d) {
        if (s->n_drawn == s->cap_drawn) {
            s->cap_drawn = MAX(4, s->cap_drawn * 2);
            s->drawn = mem_realloc(s->drawn, sizeof(*s->drawn) * (size_t)s->cap_drawn);
        }
        d = &s->drawn[s->n_drawn++];
    }
    *d = (struct drawn){.sequence = sequence, .value = value, .fresh = true};
    if (last)
        s->last_drawn = sequence;
}

void exec__drawn_settle(struct exec_session *s)
{
    for (int i = 0; i < s->n_drawn; i++)
        s->drawn[i].fresh = false;
}

void exec_forget_sequences(struct exec_session *s)
{
    s->n_drawn = 0;
    s->last_drawn = 0;
}

/* ---- the functions -------------------------------------------------------------------------- */

enum { FIRST_OID = 16384 };

/* The sequence that an argument names, of the view. */
static struct error *sequence_of(struct exec_session *s, const struct catalog_view *v,
                                 const struct value *arg, struct arena *a,
                                 const struct sequence **ret)
{
    if (arg->kind == VALUE_INT) {
        *ret = arg->i > FIRST_OID ? catalog_sequence_by_id(v, (uint64_t)arg->i - FIRST_OID) : NULL;
        return *ret ? NULL
                    : error_new(E_UNDEFINED_TABLE, "could not open relation with OID %lld",
                                (long long)arg->i);
    }
    char *schema, *name;
    TRY(sql_relation_name(arg->s.p, arg->s.n, a, &schema, &name));
    const char **path = NULL;
    int n = 0;
    if (!schema && s->internal)
        return exec__not_elsewhere("look for a sequence by the session's search_path",
                                   "Say its schema, or its name as a constant.");
    if (!schema)
        n = exec__search_path(s, v, a, &path);
    return sql_find_sequence(v, schema, path, n, name, ret);
}

/* What the session's database has. */
static const struct catalog_view *view_of(const struct exec_session *s)
{
    const struct catalog_view *v = catalog_view(s->draft ? s->draft : s->exec->catalog);
    uint64_t database;
    return catalog_database(v, s->database, &database) ? catalog_of_database(v, database) : v;
}

static struct error *next_value(struct exec_session *s, uint64_t id, int64_t *ret)
{
    struct exec *e = s->exec;
    struct sequence *own = made(s, id);
    if (own) {
        struct taking t = {.size = 1};
        bool skip = false;
        TRY(take(&t, own, &skip));
        *ret = t.range.first;
        return NULL;
    }
    struct pool *p = find_pool(e, id);
    for (;;) {
        bool low = false;
        pthread_mutex_lock(&p->lock);
        bool handed = hand_out(p, ret, &low);
        pthread_mutex_unlock(&p->lock);
        if (low)
            want(e, p);
        if (handed)
            return NULL;
        TRY(fill(e, p, false));
    }
}

struct error *exec__sequences_ready(struct exec *e, const struct query *q)
{
    for (int i = 0; i < q->n_sequences; i++) {
        if (q->sequences[i] > CATALOG_TEMP_ID)
            continue;
        struct pool *p = find_pool(e, q->sequences[i]);
        pthread_mutex_lock(&p->lock);
        bool empty = p->n == 0;
        pthread_mutex_unlock(&p->lock);
        struct error *err = empty ? fill(e, p, false) : NULL;
        if (error_is(err, E_UNAVAILABLE))
            return err;
        error_free(err); /* it may not even be asked for; if it is, that tells */
    }
    return NULL;
}

struct setting {
    int64_t value;
    bool called;
};

static struct error *set(void *ctx, struct sequence *s, bool *ret_skip)
{
    const struct setting *x = ctx;
    (void)ret_skip;
    if (x->value < s->min || x->value > s->max)
        return error_new(E_OUT_OF_RANGE,
                         "setval: value %lld is out of bounds for sequence \"%s\" (%lld..%lld)",
                         (long long)x->value, s->name, (long long)s->min, (long long)s->max);
    s->last = x->value;
    s->called = x->called;
    s->generation++;
    return NULL;
}

static struct error *set_value(struct exec_session *s, uint64_t id, int64_t value, bool called)
{
    struct setting x = {value, called};
    struct sequence *own = made(s, id);
    bool skip = false;
    if (own) {
        uint64_t generation = own->generation;
        TRY(set(&x, own, &skip));
        own->generation = generation; /* there are no blocks of it */
        if (called)
            exec__drew(s, id, value, false);
        return NULL;
    }
    TRY(catalog_step_sequence(s->exec->catalog, id, true, set, &x));
    at_all_servers(s->exec, false, id);
    if (called)
        exec__drew(s, id, value, false);
    return NULL;
}

static struct error *restart(void *ctx, struct sequence *s, bool *ret_skip)
{
    (void)ctx;
    (void)ret_skip;
    s->last = s->start;
    s->called = false;
    s->generation++;
    return NULL;
}

struct error *exec__restart_sequences(struct exec_session *s, const struct query *q)
{
    struct exec *e = s->exec;
    for (int i = 0; i < q->truncate.n_tables; i++) {
        const struct table *t = q->truncate.tables[i];
        for (int k = 0; k < t->n_owned; k++) {
            if (table_is_temporary(t)) {
                TRY(exec__temp_restart(s, t->owned[k].sequence));
                continue;
            }
            struct sequence *own = made(s, t->owned[k].sequence);
            if (own) {
                own->last = own->start;
                own->called = false;
                continue;
            }
            TRY(catalog_step_sequence(e->catalog, t->owned[k].sequence, true, restart, NULL));
            at_all_servers(e, false, t->owned[k].sequence);
        }
    }
    return NULL;
}

static struct error *undefined(const char *name)
{
    return name ? error_new("55000",
                            "currval of sequence \"%s\" is not yet defined in this session", name)
                : error_new("55000", "lastval is not yet defined in this session");
}

/* The call on the sequence of this id; `name` for messages. */
static struct error *call(struct exec_session *s, enum sequence_call what, uint64_t id,
                          const char *name, const struct value *args, int nargs, int64_t *ret)
{
    const struct drawn *d;
    bool changes = what == SEQUENCE_NEXT || what == SEQUENCE_SET;
    if (changes && s->read_only && id <= CATALOG_TEMP_ID)
        return error_new("25006", "cannot execute %s() in a read-only transaction",
                         what == SEQUENCE_NEXT ? "nextval" : "setval");
    switch (what) {
    case SEQUENCE_NEXT:
        TRY(id > CATALOG_TEMP_ID ? exec__temp_next(s, id, ret) : next_value(s, id, ret));
        exec__drew(s, id, *ret, true);
        return NULL;
    case SEQUENCE_SET:
        *ret = args[1].i;
        if (id > CATALOG_TEMP_ID)
            return exec__temp_set(s, id, args[1].i, nargs < 3 || args[2].i);
        return set_value(s, id, args[1].i, nargs < 3 || args[2].i);
    default:
        d = find_drawn(s, id);
        if (!d)
            return undefined(name);
        *ret = d->value;
        return NULL;
    }
}

struct error *exec__sequence(void *ctx, enum sequence_call what, const struct value *args,
                             int nargs, struct arena *a, struct value *ret)
{
    struct exec_session *s = ctx;
    *ret = (struct value){.kind = VALUE_INT};
    /* The hot path: a default, by id, that surely exists. */
    if (what == SEQUENCE_NEXT && args[0].kind == VALUE_INT && args[0].i > FIRST_OID)
        return call(s, what, (uint64_t)args[0].i - FIRST_OID, NULL, args, nargs, &ret->i);
    if (what == SEQUENCE_LAST) {
        const struct drawn *d = find_drawn(s, s->last_drawn);
        const struct catalog_view *now = exec__with_temporary(s, view_of(s));
        bool there = d && catalog_sequence_by_id(now, s->last_drawn);
        catalog_unref(now);
        if (!there)
            return undefined(NULL);
        ret->i = d->value;
        return NULL;
    }
    const struct catalog_view *v = exec__with_temporary(s, view_of(s));
    const struct sequence *q = NULL;
    struct error *e = sequence_of(s, v, &args[0], a, &q);
    if (!e)
        e = call(s, what, q->id, q->name, args, nargs, &ret->i);
    catalog_unref(v);
    return e;
}

/* What servers hold of its values is given back first: so it says what was handed out. */
struct error *exec__sequence_row(struct run *r, const struct plan_scan *scan, exec__row_fn row,
                                 void *ctx)
{
    uint64_t id = scan->rte->table->owned->sequence;
    const struct sequence *own = exec__own_sequence(r->s, id);
    if (!own && id < CATALOG_TEMP_ID) {
        exec_collect_sequence(r->e, id);
        TRY(catalog_refresh(r->e->catalog, PEER_MS));
    }
    const struct catalog_view *v = catalog_view(r->e->catalog);
    const struct sequence *s = own ? own : catalog_sequence_by_id(v->all, id);
    struct error *e = NULL;
    if (s) {
        const struct value all[] = {{.kind = VALUE_INT, .i = s->last},
                                    {.kind = VALUE_INT, .i = 0},
                                    {.kind = VALUE_INT, .i = s->called}};
        struct value picked[ARRAY_LEN(all)];
        for (int i = 0; i < scan->n_columns; i++)
            picked[i] = all[scan->columns[i]];
        e = row(ctx, picked, scan->n_columns);
    } else {
        e = error_new(E_UNDEFINED_TABLE, "relation \"%s\" does not exist", scan->rte->table->name);
    }
    catalog_unref(v);
    return e;
}
