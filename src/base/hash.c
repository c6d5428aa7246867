/* Checksums, hashes, and one hash map: open addressing with tombstone-free backward deletion. */
#include "base/base.h"

#include <pthread.h>

/* ---- CRC-32C, eight bytes at a time with the CPU's instruction where it has one ------------- */

static uint32_t crc_table[256];

static void crc_table_init(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = (c & 1) ? (c >> 1) ^ 0x82f63b78u : c >> 1;
        crc_table[i] = c;
    }
}

static uint32_t crc_soft(uint32_t c, const unsigned char *p, size_t len)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, crc_table_init);
    while (len--)
        c = crc_table[(c ^ *p++) & 0xff] ^ (c >> 8);
    return c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_hard(uint32_t c, const unsigned char *p,
                                                           size_t len)
{
    uint64_t wide = c;
    for (; len >= 8; len -= 8, p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        wide = __builtin_ia32_crc32di(wide, v);
    }
    c = (uint32_t)wide;
    while (len--)
        c = __builtin_ia32_crc32qi(c, *p++);
    return c;
}
#endif

uint32_t crc32c(uint32_t seed, const void *data, size_t len)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc_hard(~seed, data, len);
#endif
    return ~crc_soft(~seed, data, len);
}

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ull;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ull;
    return h ^ (h >> 32);
}

/* Both halves of the product: every bit of `h` reaches every bit of it. */
static uint64_t fold(uint64_t h)
{
    unsigned __int128 product = (unsigned __int128)h * 0xd6e8feb86659fd93ull;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t hash_bytes(const void *data, size_t len)
{
    const unsigned char *p = data;
    uint64_t h = 0x9e3779b97f4a7c15ull ^ len;
    for (; len >= 8; len -= 8, p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        h = fold(h ^ v) + 0x9e3779b97f4a7c15ull;
    }
    uint64_t tail = 0;
    if (len)
        memcpy(&tail, p, len);
    return mix(h ^ tail);
}

/* ---- map ---------------------------------------------------------------------------------- */

struct map_slot {
    char *key; /* NULL: empty */
    size_t len;
    uint64_t hash;
    void *value;
};

static struct map_slot *find(const struct map *m, const void *key, size_t len, uint64_t hash)
{
    if (!m->cap)
        return NULL;
    for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct map_slot *s = &m->slots[i];
        if (!s->key || (s->hash == hash && s->len == len && memcmp(s->key, key, len) == 0))
            return s;
    }
}

static void grow(struct map *m)
{
    struct map old = *m;
    m->cap = old.cap ? old.cap * 2 : 16;
    m->slots = mem_zalloc(m->cap * sizeof(*m->slots));
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].key)
            *find(m, old.slots[i].key, old.slots[i].len, old.slots[i].hash) = old.slots[i];
    mem_free(old.slots);
}

void *map_get(const struct map *m, const void *key, size_t len)
{
    struct map_slot *s = find(m, key, len, hash_bytes(key, len));
    return s && s->key ? s->value : NULL;
}

void *map_put(struct map *m, const void *key, size_t len, void *value)
{
    if ((m->len + 1) * 4 > m->cap * 3)
        grow(m);
    uint64_t hash = hash_bytes(key, len);
    struct map_slot *s = find(m, key, len, hash);
    void *old = s->value;
    if (!s->key) {
        s->key = mem_strndup(key, len);
        s->len = len;
        s->hash = hash;
        old = NULL;
        m->len++;
    }
    s->value = value;
    return old;
}

void *map_remove(struct map *m, const void *key, size_t len)
{
    struct map_slot *s = find(m, key, len, hash_bytes(key, len));
    if (!s || !s->key)
        return NULL;
    void *value = s->value;
    mem_free(s->key);
    m->len--;
    /* close the gap: whatever follows and would not be found across it moves back */
    size_t hole = (size_t)(s - m->slots), mask = m->cap - 1;
    for (size_t i = (hole + 1) & mask; m->slots[i].key; i = (i + 1) & mask) {
        size_t home = m->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole] = (struct map_slot){0};
    return value;
}

void *map_get_str(const struct map *m, const char *key)
{
    return map_get(m, key, strlen(key));
}

void *map_put_str(struct map *m, const char *key, void *value)
{
    return map_put(m, key, strlen(key), value);
}

void *map_remove_str(struct map *m, const char *key)
{
    return map_remove(m, key, strlen(key));
}

void *map_get_u64(const struct map *m, uint64_t key)
{
    return map_get(m, &key, sizeof(key));
}

void *map_put_u64(struct map *m, uint64_t key, void *value)
{
    return map_put(m, &key, sizeof(key), value);
}

void *map_remove_u64(struct map *m, uint64_t key)
{
    return map_remove(m, &key, sizeof(key));
}

bool map_next_key(const struct map *m, size_t *cursor, const char **ret_key, size_t *ret_len,
                  void **ret_value)
{
    for (; *cursor < m->cap; (*cursor)++) {
        const struct map_slot *s = &m->slots[*cursor];
        if (!s->key)
            continue;
        if (ret_key)
            *ret_key = s->key;
        if (ret_len)
            *ret_len = s->len;
        if (ret_value)
            *ret_value = s->value;
        (*cursor)++;
        return true;
    }
    return false;
}

bool map_next(const struct map *m, size_t *cursor, void **ret_value)
{
    return map_next_key(m, cursor, NULL, NULL, ret_value);
}

void map_done(struct map *m)
{
    for (size_t i = 0; i < m->cap; i++)
        mem_free(m->slots[i].key);
    mem_free(m->slots);
    *m = (struct map){0};
}
