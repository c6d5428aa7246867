/*
 * What peers send to the replication core: a small server with three regions (it is primary,
 * backup and learner of one each) gets messages, ticks and disk answers as the input says. An input
 * is a list of records: a kind byte, then a message's bytes as they are, or the fields of one that
 * is well formed. Whatever comes, appends are in order, nothing committed is replaced, and what the
 * core sends can be decoded.
 */
#include "fuzz.h"

#include "repl/repl_int.h"

enum { REGIONS = 3, LOG = 128, NODES = 4 };

struct log {
    uint64_t last, applied;
    uint64_t epochs[LOG + 1];
};

static uint32_t touched;

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void on_send(void *ctx, repl_node to, bool urgent, const void *data, size_t len)
{
    struct message m;
    (void)ctx;
    (void)urgent;
    check(to < REPL_MAX_NODES && message_decode(data, len, &m));
}

static void on_append(void *ctx, const struct repl_entry *entries, size_t n)
{
    struct log *l = ctx;
    for (size_t i = 0; i < n; i++) {
        check(entries[i].lsn == entries[0].lsn + i && entries[i].lsn <= l->last + 1 &&
              entries[i].lsn > l->applied && entries[i].epoch);
        touched = crc32c(touched, entries[i].data, entries[i].len); /* all of it is there */
        l->last = entries[i].lsn;
        if (l->last <= LOG)
            l->epochs[l->last] = entries[i].epoch;
    }
}

static void on_truncate(void *ctx, uint64_t lsn)
{
    struct log *l = ctx;
    check(lsn >= l->applied);
    l->last = MIN(l->last, lsn);
}

static size_t on_read(void *ctx, uint64_t from, size_t max_bytes, struct repl_entry *ret,
                      size_t max_n)
{
    struct log *l = ctx;
    size_t n = 0;
    (void)max_bytes;
    for (; from + n <= MIN(l->last, LOG) && n < max_n; n++)
        ret[n] = (struct repl_entry){
            .lsn = from + n, .epoch = l->epochs[from + n], .data = "entry", .len = 5};
    return n;
}

static uint64_t on_epoch_at(void *ctx, uint64_t lsn)
{
    struct log *l = ctx;
    return lsn <= MIN(l->last, LOG) ? l->epochs[lsn] : 0;
}

static void on_commit(void *ctx, uint64_t lsn)
{
    struct log *l = ctx;
    check(lsn > l->applied && lsn <= l->last);
    l->applied = lsn;
}

static void on_propose(void *ctx, const struct repl_config *current, const struct repl_config *next)
{
    (void)ctx;
    check(next->epoch == current->epoch + 1 && next->n_backups <= REPL_MAX_COPIES &&
          next->n_learners <= REPL_MAX_LEARNERS);
}

static void on_role(void *ctx, enum repl_role role, bool serving, uint64_t epoch)
{
    (void)ctx;
    (void)epoch;
    check(!serving || role == REPL_PRIMARY);
}

static void on_fetch_snapshot(void *ctx, repl_node from)
{
    (void)ctx;
    check(from < REPL_MAX_NODES);
}

struct small {
    struct repl *core;
    struct log logs[REGIONS];
    struct repl_replica *replicas[REGIONS];
    uint64_t now;
};

static void small_start(struct small *s)
{
    struct repl_io io = {.ctx = s,
                         .send = on_send,
                         .append = on_append,
                         .truncate = on_truncate,
                         .read = on_read,
                         .epoch_at = on_epoch_at,
                         .commit = on_commit,
                         .propose = on_propose,
                         .role = on_role,
                         .fetch_snapshot = on_fetch_snapshot};
    *s = (struct small){.now = 1000};
    s->core = repl_new(&repl_defaults, &io, 0, 1, s->now);
    for (unsigned i = 0; i < REGIONS; i++) {
        struct log *l = &s->logs[i];
        *l = (struct log){.last = 4, .applied = 2};
        for (uint64_t lsn = 1; lsn <= 4; lsn++)
            l->epochs[lsn] = 1;
        s->replicas[i] = repl_open(s->core, s->now, i, l, 4, 1, 2, 1, false);
        struct repl_config c = {.epoch = 2, .primary = i, .n_backups = 2, .backups = {2, 3}};
        if (i == 1)
            c.backups[0] = 0; /* a backup of node 1; a learner of node 2 */
        if (i == 2)
            c = (struct repl_config){.epoch = 2, .primary = 2, .n_learners = 1, .learners = {0}};
        repl_config_changed(s->core, s->now, s->replicas[i], &c);
    }
    struct repl_config mine = {.epoch = 3, .primary = 0, .n_backups = 2, .backups = {2, 3}};
    repl_tick(s->core, ++s->now); /* proposes to raise the epoch, which comes true */
    repl_config_changed(s->core, s->now, s->replicas[0], &mine);
}

/* A message that decodes, with fields near those that matter. */
static void receive_whole(struct small *s, struct reader *r)
{
    struct message m = {.kind = (enum message_kind)(MSG_BEACON + read8(r) % 7),
                        .region = read8(r) % (REGIONS + 1),
                        .epoch = read8(r) % 8,
                        .stream = read8(r) % 4};
    if (m.region < REGIONS && !m.stream) /* the stream in use, mostly */
        m.stream = s->replicas[m.region]->n_peers ? s->replicas[m.region]->peers[0].stream : 1;
    m.time = read16(r);
    m.incarnation = read8(r) % 3;
    m.serial = read8(r) % 3;
    m.config = read8(r) % 8;
    m.prev_lsn = read8(r) % 16;
    m.prev_epoch = read8(r) % 4;
    m.committed = read8(r) % 16;
    m.lsn = read8(r) % 16;
    m.status = (enum ack_status)(read8(r) % 3);
    repl_node from = read8(r) % NODES;
    bool list = m.kind == MSG_PREPARE || m.kind == MSG_CLAIMS;
    m.n = list ? read8(r) % 5 : 0;
    _cleanup_(buf_done) struct buf b = {0};
    message_put(&b, &m);
    for (uint32_t i = 0; i < m.n; i++) {
        struct repl_entry e = {
            .lsn = m.prev_lsn + 1 + i, .epoch = 1 + read8(r) % 4, .data = "entry", .len = 5};
        struct claim c = {.region = i, .epoch = read8(r) % 8, .yours = i & 1};
        if (m.kind == MSG_PREPARE)
            message_put_entry(&b, &e);
        else
            message_put_claim(&b, &c);
    }
    char *exact = mem_alloc(b.len);
    memcpy(exact, b.data, b.len);
    repl_receive(s->core, s->now, from, exact, b.len);
    mem_free(exact);
}

static void receive_raw(struct small *s, struct reader *r)
{
    repl_node from = read8(r) % (NODES * 2);
    size_t len = read8(r);
    len = MIN(len, reader_left(r));
    char *exact = mem_alloc(len + 1);
    if (len)
        memcpy(exact, read_bytes(r, len), len);
    repl_receive(s->core, s->now, from, exact, len);
    mem_free(exact);
}

static void disk_done(struct small *s, struct reader *r)
{
    unsigned i = read8(r) % REGIONS;
    uint64_t lsn = read8(r) % (s->logs[i].last + 1);
    repl_durable(s->core, s->now, s->replicas[i], lsn, on_epoch_at(&s->logs[i], lsn));
}

static void write_some(struct small *s, struct reader *r)
{
    struct repl_entry e = {.data = "entry", .len = 5};
    uint64_t first;
    (void)r;
    error_free(repl_append(s->core, s->now, s->replicas[0], &e, 1, &first));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct small s;
    struct reader r = reader_of(data, size);
    small_start(&s);
    while (reader_left(&r)) {
        uint8_t what = read8(&r) % 8;
        if (what == 0)
            receive_raw(&s, &r);
        else if (what <= 4)
            receive_whole(&s, &r);
        else if (what == 5)
            repl_tick(s.core, s.now += read8(&r) * 8);
        else if (what == 6)
            disk_done(&s, &r);
        else
            write_some(&s, &r);
    }
    repl_free(s.core);
    return 0;
}
