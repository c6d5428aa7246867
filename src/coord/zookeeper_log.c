/*
 * Names and records of the ZooKeeper store: keys as paths, the head of the log of changes, and its
 * records. Both kinds of text can be read with zkCli, and are parsed as if anybody had written
 * them.
 *
 *   head      first 17                             the oldest record that is kept
 *             session 100a3f5d6e0001 /minisql/master   a key, and the session that it lives with
 *   record    id 5f0c..
 *             put <created> <lease> <length of key> <length of value>\n<key>\n<value>\n
 *             delete 0 0 <length of key> 0\n<key>\n\n
 */
#include "coord/zookeeper_int.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

/* ---- names -------------------------------------------------------------------------------- */

/* The bytes of the character at s that a path may hold as they are; 0: none. ZooKeeper forbids
 * controls, what is outside of the basic plane, the private and the last characters of it. */
static size_t plain_character(const unsigned char *s)
{
    if (s[0] < 0x80)
        return s[0] > 0x1f && s[0] != 0x7f && s[0] != '%';
    if (s[0] >= 0xc3 && s[0] <= 0xdf) /* 0xc2 begins what Latin 1 has for controls, too */
        return (s[1] & 0xc0) == 0x80 ? 2 : 0;
    if (s[0] < 0xe0 || s[0] > 0xef || (s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80)
        return 0;
    unsigned c = (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    return c >= 0x800 && c < 0xd800 ? 3 : c > 0xf8ff && c < 0xfff0 ? 3 : 0;
}

/* One element between slashes. An empty one is "%"; dots alone, and "@", mean something else. */
static void put_element(struct buf *to, const char *s, size_t n)
{
    if (n == 0)
        buf_puts(to, "%");
    bool special = strspn(s, ".") >= n || (n == 1 && *s == '@');
    for (size_t i = 0; i < n;) {
        size_t plain = special ? 0 : plain_character((const unsigned char *)s + i);
        if (plain)
            buf_append(to, s + i, plain);
        else
            buf_printf(to, "%%%02X", (unsigned char)s[i]);
        i += plain ? plain : 1;
    }
}

char *zk__path(const char *key)
{
    struct buf b = {0};
    assert(*key == '/');
    for (const char *s = key + 1;;) {
        size_t n = strcspn(s, "/");
        buf_puts(&b, "/");
        put_element(&b, s, n);
        if (!s[n])
            return b.data;
        s += n + 1;
    }
}

char *zk__path_at(const char *key)
{
    _cleanup_(mem_freep) char *path = zk__path(key);
    return mem_printf("%s/@", path);
}

/* The byte that "%XX" stands for; 0: it is not of that form. */
static unsigned char hex_byte(const char *s)
{
    if (s[0] != '%' || !isxdigit((unsigned char)s[1]) || !isxdigit((unsigned char)s[2]))
        return 0;
    const char digits[] = {s[1], s[2], 0};
    return (unsigned char)strtoul(digits, NULL, 16);
}

char *zk__name(const char *element)
{
    if (strcmp(element, "%") == 0)
        return mem_strdup("");
    char *name = mem_strdup(element), *to = name;
    for (const char *s = element; *s; s++) {
        if (*s != '%') {
            *to++ = *s;
        } else if (hex_byte(s)) {
            *to++ = (char)hex_byte(s);
            s += 2;
        } else {
            mem_free(name);
            return NULL;
        }
    }
    *to = 0;
    return name;
}

char *zk__log_path(uint32_t number)
{
    return mem_printf(ZK_LOG "/%010" PRIu32, number);
}

/* ---- the head ----------------------------------------------------------------------------- */

void zk__head_done(struct zk_head *h)
{
    for (size_t i = 0; i < h->n_held; i++)
        mem_free(h->held[i].key);
    mem_free(h->held);
    *h = (struct zk_head){0};
}

/* A key as its path, so that it takes one line whatever it consists of. */
static char *key_of_path(const char *path)
{
    struct buf b = {0};
    for (const char *s = path; *s == '/';) {
        size_t n = strcspn(++s, "/");
        _cleanup_(mem_freep) char *element = mem_strndup(s, n);
        _cleanup_(mem_freep) char *name = zk__name(element);
        if (!name) {
            buf_done(&b);
            return NULL;
        }
        buf_printf(&b, "/%s", name);
        s += n;
    }
    return b.data;
}

static bool parse_head_line(char *line, struct zk_head *h)
{
    uint64_t lease;
    int at = 0;
    if (sscanf(line, "first %" SCNu32, &h->first) == 1)
        return true;
    if (sscanf(line, "session %" SCNx64 " %n", &lease, &at) != 1 || !at || lease == 0)
        return false;
    char *key = key_of_path(line + at);
    if (!key)
        return false;
    h->held = mem_realloc(h->held, (h->n_held + 1) * sizeof(*h->held));
    h->held[h->n_held++] = (struct zk_held){key, lease};
    return true;
}

struct error *zk__head_parse(const struct zk_reply *reply, struct zk_head *ret)
{
    struct zk_head h = {.number = (uint32_t)reply->stat.version,
                        .revision = (uint64_t)reply->stat.mzxid};
    bool ok = reply->data && strlen(reply->data) == reply->len;
    char *rest = reply->data;
    for (char *line; ok && (line = strsep(&rest, "\n"));)
        ok = !*line || parse_head_line(line, &h);
    if (!ok || h.revision == 0) {
        zk__head_done(&h);
        return zk__nonsense(ZK_LOG);
    }
    *ret = h;
    return NULL;
}

void zk__head_text(const struct zk_head *h, struct buf *to)
{
    buf_printf(to, "first %" PRIu32 "\n", h->first);
    for (size_t i = 0; i < h->n_held; i++) {
        _cleanup_(mem_freep) char *path = zk__path(h->held[i].key);
        buf_printf(to, "session %" PRIx64 " %s\n", h->held[i].lease, path);
    }
}

void zk__head_hold(struct zk_head *h, const char *key, uint64_t lease)
{
    size_t at = 0;
    while (at < h->n_held && strcmp(h->held[at].key, key) != 0)
        at++;
    if (at < h->n_held && lease) {
        h->held[at].lease = lease;
    } else if (at < h->n_held) {
        mem_free(h->held[at].key);
        h->held[at] = h->held[--h->n_held];
    } else if (lease) {
        h->held = mem_realloc(h->held, (at + 1) * sizeof(*h->held));
        h->held[h->n_held++] = (struct zk_held){mem_strdup(key), lease};
    }
}

/* ---- records ------------------------------------------------------------------------------ */

void zk__record_done(struct zk_record *r)
{
    for (size_t i = 0; i < r->n; i++)
        coord__kv_done(&r->events[i].kv);
    mem_free(r->events);
    *r = (struct zk_record){0};
}

void zk__record_begin(struct buf *to, uint64_t id)
{
    buf_printf(to, "id %" PRIx64 "\n", id);
}

void zk__record_add(struct buf *to, const struct coord_event *event)
{
    const struct coord_kv *kv = &event->kv;
    size_t key_len = strlen(kv->key), value_len = event->deleted ? 0 : kv->value_len;
    buf_printf(to, "%s %" PRIx64 " %" PRIx64 " %zu %zu\n", event->deleted ? "delete" : "put",
               event->deleted ? 0 : kv->create_revision, event->deleted ? 0 : kv->lease, key_len,
               value_len);
    buf_append(to, kv->key, key_len);
    buf_puts(to, "\n");
    if (value_len)
        buf_append(to, kv->value, value_len);
    buf_puts(to, "\n");
}

/* Takes `len` bytes and the line end after them. */
static char *take_text(struct reader *r, size_t len)
{
    const char *p = read_bytes(r, len);
    const char *end = read_bytes(r, 1);
    return p && end && *end == '\n' ? mem_strndup(p, len) : NULL;
}

/* One change. The data ends with a 0 byte, so that scanning can't run past it. */
static bool take_change(struct reader *r, uint64_t revision, struct coord_event *ret)
{
    char word[8];
    uint64_t created, lease;
    size_t key_len, value_len;
    const char *line = r->p, *end = memchr(line, '\n', reader_left(r));
    if (!end || sscanf(line, "%7s %" SCNx64 " %" SCNx64 " %zu %zu", word, &created, &lease,
                       &key_len, &value_len) != 5)
        return false;
    bool deleted = strcmp(word, "delete") == 0;
    if (!deleted && strcmp(word, "put") != 0)
        return false;
    if (!read_bytes(r, (size_t)(end - line) + 1) || key_len > COORD_KEY_MAX)
        return false;
    struct coord_kv kv = {.key = take_text(r, key_len), .mod_revision = revision};
    kv.value = take_text(r, value_len);
    if (!kv.key || strlen(kv.key) != key_len || !kv.value) {
        coord__kv_done(&kv);
        return false;
    }
    if (!deleted) {
        kv.value_len = value_len;
        kv.create_revision = created ? created : revision;
        kv.lease = lease;
    }
    *ret = (struct coord_event){deleted, kv};
    return true;
}

struct error *zk__record_parse(const struct zk_reply *reply, struct zk_record *ret)
{
    struct zk_record record = {.revision = (uint64_t)reply->stat.czxid};
    struct reader r = reader_of(reply->data ? reply->data : "", reply->len);
    const char *end = memchr(r.p, '\n', reader_left(&r));
    bool ok = end && sscanf(r.p, "id %" SCNx64, &record.id) == 1 &&
              read_bytes(&r, (size_t)(end - r.p) + 1);
    while (ok && reader_left(&r) > 0) {
        record.events = mem_realloc(record.events, (record.n + 1) * sizeof(*record.events));
        ok = take_change(&r, record.revision, &record.events[record.n]);
        record.n += ok;
    }
    if (!ok) {
        zk__record_done(&record);
        return zk__nonsense("a record beneath " ZK_LOG);
    }
    *ret = record;
    return NULL;
}
