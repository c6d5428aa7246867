/* What goes over the links: a version byte, a kind byte, fixed fields in network order, a list. */
#include "repl/repl_int.h"

enum { MESSAGE_VERSION = 1, MAX_LIST = 1 << 22 };

static void get_list(struct reader *r, struct message *m)
{
    m->n = read32(r);
    m->list = *r;
    if (m->n > MAX_LIST)
        r->failed = true;
}

bool message_next_entry(struct reader *list, struct repl_entry *ret)
{
    ret->lsn = read64(list);
    ret->epoch = read64(list);
    ret->len = read32(list);
    ret->data = read_bytes(list, ret->len);
    return reader_ok(list);
}

bool message_next_claim(struct reader *list, struct claim *ret)
{
    ret->region = read64(list);
    ret->epoch = read64(list);
    ret->yours = read8(list) != 0;
    return reader_ok(list);
}

/* Walks the list once, so that whoever acts on the message acts on all of it or nothing. */
static bool list_is_whole(const struct message *m)
{
    struct reader list = m->list;
    uint64_t lsn = m->prev_lsn;
    for (uint32_t i = 0; i < m->n; i++) {
        struct repl_entry e;
        struct claim c;
        if (m->kind == MSG_CLAIMS ? !message_next_claim(&list, &c)
                                  : !message_next_entry(&list, &e) || e.lsn != ++lsn || !e.epoch)
            return false;
    }
    return reader_left(&list) == 0;
}

bool message_decode(const void *data, size_t len, struct message *ret)
{
    struct reader r = reader_of(data, len);
    struct message m = {0};
    if (read8(&r) != MESSAGE_VERSION)
        return false;
    m.kind = (enum message_kind)read8(&r);
    switch (m.kind) {
    case MSG_BEACON:
    case MSG_BEACON_ACK:
        m.time = read64(&r);
        m.incarnation = read64(&r);
        break;
    case MSG_CLAIMS:
        m.incarnation = read64(&r);
        m.serial = read64(&r);
        get_list(&r, &m);
        break;
    case MSG_CLAIMS_ACK:
        m.incarnation = read64(&r);
        m.serial = read64(&r);
        break;
    case MSG_PREPARE:
        m.region = read64(&r);
        m.epoch = read64(&r);
        m.stream = read32(&r);
        m.config = read64(&r);
        m.prev_lsn = read64(&r);
        m.prev_epoch = read64(&r);
        m.committed = read64(&r);
        get_list(&r, &m);
        break;
    case MSG_PREPARE_ACK:
        m.region = read64(&r);
        m.epoch = read64(&r);
        m.stream = read32(&r);
        m.status = (enum ack_status)read8(&r);
        m.lsn = read64(&r);
        m.committed = read64(&r);
        if (m.status > ACK_FAILED)
            return false;
        break;
    case MSG_NEED_SNAPSHOT:
        m.region = read64(&r);
        m.epoch = read64(&r);
        m.stream = read32(&r);
        m.config = read64(&r);
        m.lsn = read64(&r);
        break;
    default:
        return false;
    }
    if (!reader_ok(&r))
        return false;
    bool has_list = m.kind == MSG_PREPARE || m.kind == MSG_CLAIMS;
    if (has_list ? !list_is_whole(&m) : reader_left(&r) != 0)
        return false;
    *ret = m;
    return true;
}

void message_put(struct buf *out, const struct message *m)
{
    buf_clear(out);
    buf_put8(out, MESSAGE_VERSION);
    buf_put8(out, (uint8_t)m->kind);
    switch (m->kind) {
    case MSG_BEACON:
    case MSG_BEACON_ACK:
        buf_put64(out, m->time);
        buf_put64(out, m->incarnation);
        break;
    case MSG_CLAIMS:
        buf_put64(out, m->incarnation);
        buf_put64(out, m->serial);
        buf_put32(out, m->n);
        break;
    case MSG_CLAIMS_ACK:
        buf_put64(out, m->incarnation);
        buf_put64(out, m->serial);
        break;
    case MSG_PREPARE:
        buf_put64(out, m->region);
        buf_put64(out, m->epoch);
        buf_put32(out, m->stream);
        buf_put64(out, m->config);
        buf_put64(out, m->prev_lsn);
        buf_put64(out, m->prev_epoch);
        buf_put64(out, m->committed);
        buf_put32(out, m->n);
        break;
    case MSG_PREPARE_ACK:
        buf_put64(out, m->region);
        buf_put64(out, m->epoch);
        buf_put32(out, m->stream);
        buf_put8(out, (uint8_t)m->status);
        buf_put64(out, m->lsn);
        buf_put64(out, m->committed);
        break;
    case MSG_NEED_SNAPSHOT:
        buf_put64(out, m->region);
        buf_put64(out, m->epoch);
        buf_put32(out, m->stream);
        buf_put64(out, m->config);
        buf_put64(out, m->lsn);
        break;
    }
}

void message_put_entry(struct buf *out, const struct repl_entry *e)
{
    buf_put64(out, e->lsn);
    buf_put64(out, e->epoch);
    buf_put32(out, e->len);
    buf_append(out, e->data, e->len);
}

void message_put_claim(struct buf *out, const struct claim *c)
{
    buf_put64(out, c->region);
    buf_put64(out, c->epoch);
    buf_put8(out, c->yours);
}

/* ---- for traces --------------------------------------------------------------------------- */

static void describe_ack(const struct message *m, struct buf *out)
{
    static const char *const status[] = {"durable up to", "rejected, try from", "failed"};
    buf_printf(out, "r%llu ACK epoch %llu, %s %llu", (unsigned long long)m->region,
               (unsigned long long)m->epoch, status[m->status], (unsigned long long)m->lsn);
}

static void describe_prepare(const struct message *m, struct buf *out)
{
    buf_printf(out, "r%llu PREPARE epoch %llu, %u entries behind %llu/%llu, committed %llu",
               (unsigned long long)m->region, (unsigned long long)m->epoch, m->n,
               (unsigned long long)m->prev_lsn, (unsigned long long)m->prev_epoch,
               (unsigned long long)m->committed);
}

void repl_describe(const void *data, size_t len, struct buf *out)
{
    static const char *const names[] = {[MSG_BEACON] = "BEACON",
                                        [MSG_BEACON_ACK] = "BEACON_ACK",
                                        [MSG_CLAIMS] = "CLAIMS",
                                        [MSG_CLAIMS_ACK] = "CLAIMS_ACK"};
    struct message m;
    if (!message_decode(data, len, &m))
        buf_puts(out, "garbage");
    else if (m.kind == MSG_PREPARE)
        describe_prepare(&m, out);
    else if (m.kind == MSG_PREPARE_ACK)
        describe_ack(&m, out);
    else if (m.kind == MSG_NEED_SNAPSHOT)
        buf_printf(out, "r%llu NEED_SNAPSHOT epoch %llu, the log begins behind %llu",
                   (unsigned long long)m.region, (unsigned long long)m.epoch,
                   (unsigned long long)m.lsn);
    else
        buf_printf(out, "%s %llu", names[m.kind],
                   (unsigned long long)(m.kind <= MSG_BEACON_ACK ? m.time : m.serial));
}
