/*
 * Elections: who puts a key first, under its session's lease, leads until the key is gone. Works
 * over any store.
 *
 *   FOLLOWER -> LEADER   [campaign]   our put of the absent key succeeded
 *   LEADER -> FOLLOWER   [check_lead] the session was lost, or the key is not ours any more
 *
 * The key's create_revision fences: a transaction that compares it fails for every leader but the
 * current one, whatever an old leader still believes.
 *
 * One thread does everything. A watch on the key wakes it; it also looks by itself each second, and
 * at the session (which costs nothing) each 100 ms.
 */
#include "coord/coord_int.h"

enum { LOOK_MS = 1000, SESSION_MS = 100, CALL_MS = 2000 };

struct coord_election {
    struct coord_session *session;
    struct coord *c;
    char *key, *name;
    void (*changed)(void *ctx, bool leader);
    void *ctx;
    pthread_t thread;
    struct coord_watch *watch;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    /* guarded by lock */
    bool stop, poked;
    bool leader;
    uint64_t created; /* of the key, while leader */
    uint64_t lease;   /* that it is under */
};

static void set_leader(struct coord_election *e, bool leader, uint64_t created, uint64_t lease)
{
    pthread_mutex_lock(&e->lock);
    bool news = leader != e->leader;
    e->leader = leader;
    e->created = created;
    e->lease = lease;
    pthread_mutex_unlock(&e->lock);
    if (news)
        e->changed(e->ctx, leader);
}

/* Puts the key if there is none. */
static struct error *campaign(struct coord_election *e, uint64_t lease)
{
    struct coord_list l = {0};
    TRY(coord_get(e->c, e->key, CALL_MS, &l));
    bool absent = l.n == 0;
    uint64_t owner = absent ? 0 : l.kvs[0].lease, created = absent ? 0 : l.kvs[0].create_revision;
    coord_list_done(&l);
    if (!absent) {
        if (owner == lease) /* an earlier put whose answer was lost */
            set_leader(e, true, created, lease);
        return NULL;
    }
    struct coord_compare none = {COORD_ABSENT, e->key, 0};
    struct coord_op put = {
        .kind = COORD_PUT, .key = e->key, .value = e->name, .value_len = strlen(e->name)};
    bool won;
    uint64_t revision;
    TRY(e->c->ops->txn(e->c, &none, 1, &put, &lease, 1, CALL_MS, &won, &revision));
    if (won)
        set_leader(e, true, revision, lease);
    return NULL;
}

/* Steps down when the key is not ours any more. */
static struct error *check_lead(struct coord_election *e)
{
    struct coord_list l = {0};
    TRY(coord_get(e->c, e->key, CALL_MS, &l));
    bool ours = l.n && l.kvs[0].create_revision == e->created;
    coord_list_done(&l);
    if (!ours)
        set_leader(e, false, 0, 0);
    return NULL;
}

/* One look, with I/O when `look`. False: look again soon. */
static bool election_round(struct coord_election *e, bool look)
{
    uint64_t lease = coord_session_lease(e->session);
    if (e->leader && lease != e->lease) {
        set_leader(e, false, 0, 0);
        look = true;
    }
    if (!look || !lease)
        return true;
    struct error *error = e->leader ? check_lead(e) : campaign(e, lease);
    bool ok = !error;
    error_free(error);
    return ok;
}

static void *election_main(void *arg)
{
    struct coord_election *e = arg;
    uint64_t next_look = 0;
    pthread_mutex_lock(&e->lock);
    while (!e->stop) {
        bool look = e->poked || clock_ms() >= next_look;
        e->poked = false;
        pthread_mutex_unlock(&e->lock);
        bool ok = election_round(e, look);
        if (look)
            next_look = clock_ms() + (ok ? LOOK_MS : SESSION_MS);
        pthread_mutex_lock(&e->lock);
        if (!e->stop && !e->poked)
            coord__cond_wait(&e->wake, &e->lock, clock_ms() + SESSION_MS);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

static void poke(struct coord_election *e)
{
    pthread_mutex_lock(&e->lock);
    e->poked = true;
    pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->lock);
}

static void key_changed(void *ctx, uint64_t revision, const struct coord_event *events, size_t n)
{
    struct coord_election *e = ctx;
    for (size_t i = 0; i < n; i++)
        if (strcmp(events[i].kv.key, e->key) == 0)
            poke(e);
}

static uint64_t key_resync(void *ctx)
{
    struct coord_election *e = ctx;
    struct coord_list l = {0};
    struct error *error = coord_get(e->c, e->key, CALL_MS, &l);
    uint64_t revision = error ? 0 : l.revision;
    error_free(error);
    coord_list_done(&l);
    poke(e);
    return revision;
}

static void election_free(struct coord_election *e)
{
    coord_watch_close(e->watch);
    pthread_cond_destroy(&e->wake);
    pthread_mutex_destroy(&e->lock);
    mem_free(e->key);
    mem_free(e->name);
    mem_free(e);
}

static struct error *start(struct coord_election *e)
{
    struct coord_list l = {0};
    TRY(coord_get(e->c, e->key, CALL_MS, &l));
    uint64_t revision = l.revision;
    coord_list_done(&l);
    struct coord_watcher watcher = {.ctx = e, .events = key_changed, .resync = key_resync};
    TRY(coord_watch(e->c, e->key, revision, &watcher, &e->watch));
    int err = pthread_create(&e->thread, NULL, election_main, e);
    return err ? error_errno(E_OUT_OF_MEMORY, err, "could not start a thread") : NULL;
}

struct error *coord_election_open(struct coord_session *s, const char *key, const char *name,
                                  void (*changed)(void *ctx, bool leader), void *ctx,
                                  struct coord_election **ret)
{
    struct coord_election *e = NEW(struct coord_election);
    *e = (struct coord_election){.session = s,
                                 .c = coord__session_store(s),
                                 .key = mem_strdup(key),
                                 .name = mem_strdup(name),
                                 .changed = changed,
                                 .ctx = ctx};
    pthread_mutex_init(&e->lock, NULL);
    coord__cond_init(&e->wake);
    struct error *error = start(e);
    if (error) {
        election_free(e);
        return error;
    }
    *ret = e;
    return NULL;
}

/* Gives the lead away at once instead of with the lease. */
static void resign(struct coord_election *e)
{
    struct coord_compare ours = {COORD_CREATED, e->key, e->created};
    struct coord_op del = {.kind = COORD_DELETE, .key = e->key};
    bool succeeded;
    error_free(coord_txn(e->c, &ours, 1, &del, 1, 1000, &succeeded, NULL));
    set_leader(e, false, 0, 0);
}

void coord_election_close(struct coord_election *e)
{
    if (!e)
        return;
    pthread_mutex_lock(&e->lock);
    e->stop = true;
    pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->lock);
    pthread_join(e->thread, NULL);
    if (e->leader)
        resign(e);
    election_free(e);
}

bool coord_election_fence(struct coord_election *e, struct coord_compare *ret)
{
    uint64_t lease = coord_session_lease(e->session);
    pthread_mutex_lock(&e->lock);
    bool leads = e->leader && lease == e->lease;
    if (leads)
        *ret = (struct coord_compare){COORD_CREATED, e->key, e->created};
    pthread_mutex_unlock(&e->lock);
    return leads;
}
