/*
 * Records without a view, for those who check, describe or rebuild what the store holds: which kind
 * a key is of, texts both ways, reading all and writing one.
 */
#include "catalog/catalog_int.h"

static const struct {
    enum catalog_kind kind;
    const char *key;
    bool root; /* the keys beneath it; else this one */
} kinds[] = {
    {CATALOG_CLUSTER, KEY_CLUSTER, false},   {CATALOG_MASTER, KEY_MASTER, false},
    {CATALOG_NEXT_ID, KEY_NEXT_ID, false},   {CATALOG_CHANGED, KEY_CHANGED, false},
    {CATALOG_DRAINED, KEY_DRAINED, false},   {CATALOG_CHANGING, KEY_CHANGING, false},
    {CATALOG_SERVER, KEY_SERVERS, true},     {CATALOG_TABLE, KEY_TABLES, true},
    {CATALOG_NAME, KEY_NAMES, true},         {CATALOG_INDEX, KEY_INDEXES, true},
    {CATALOG_REGION, KEY_REGIONS, true},     {CATALOG_OBJECT, KEY_OBJECTS, true},
    {CATALOG_SEQUENCE, KEY_SEQUENCES, true}, {CATALOG_CHANGING_PART, KEY_PARTS, true},
};

static const char *key_of(enum catalog_kind kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].kind == kind)
            return kinds[i].key;
    return NULL;
}

enum catalog_kind catalog_kind_of(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t n = strlen(kinds[i].key);
        if (!kinds[i].root && strcmp(key, kinds[i].key) == 0)
            return kinds[i].kind;
        if (!kinds[i].root || strncmp(key, kinds[i].key, n) != 0)
            continue;
        if (kinds[i].kind == CATALOG_SERVER && strchr(key + n, '/'))
            return CATALOG_BENEATH_SERVER;
        return kinds[i].kind;
    }
    return CATALOG_OTHER;
}

char *catalog_id_key(enum catalog_kind kind, uint64_t id)
{
    return catalog__id_key(key_of(kind), id);
}

char *catalog_name_key(enum catalog_kind kind, const struct table *t, const char *name)
{
    return catalog__relation_key(key_of(kind), t->database, t->schema, name);
}

const char *catalog_single_key(enum catalog_kind kind)
{
    return key_of(kind);
}

/* ---- texts -------------------------------------------------------------------------------- */

struct error *catalog_record_parse(const struct coord_kv *kv, const void **ret)
{
    struct record *r = NULL;
    switch (catalog_kind_of(kv->key)) {
    case CATALOG_SERVER:
        TRY(catalog__decode_server(kv, &r));
        break;
    case CATALOG_TABLE:
        TRY(catalog__decode_table(kv, &r));
        break;
    case CATALOG_REGION:
        TRY(catalog__decode_region(kv, &r));
        break;
    case CATALOG_OBJECT:
        TRY(catalog__decode_object(kv, &r));
        break;
    case CATALOG_SEQUENCE:
        TRY(catalog__decode_sequence(kv, &r));
        break;
    default:
        return error_new(E_INTERNAL, "\"%s\" is no record that is parsed", kv->key);
    }
    *ret = r->payload;
    return NULL;
}

void catalog_record_free(const void *record)
{
    if (record)
        catalog__record_unref(catalog__record_of(record));
}

struct error *catalog_parse_cluster(const struct coord_kv *kv, uint64_t *ret_id)
{
    return catalog__decode_cluster(kv, ret_id);
}

struct error *catalog_table_text(const struct table *t, char **ret)
{
    return catalog__encode_table(t, ret);
}

struct error *catalog_object_text(const struct object *o, char **ret)
{
    return catalog__encode_object(o, ret);
}

struct error *catalog_sequence_text(const struct sequence *s, char **ret)
{
    return catalog__encode_sequence(s, ret);
}

struct error *catalog_region_text(const struct region *r, char **ret)
{
    return catalog__encode_region(r, ret);
}

char *catalog_cluster_text(uint64_t id, uint64_t era)
{
    return catalog__encode_cluster(id, era);
}

char *catalog_index_text(uint64_t table, int n_columns)
{
    return mem_printf("{\"table\":%llu,\"columns\":%d}", (unsigned long long)table, n_columns);
}

/* ---- the store ---------------------------------------------------------------------------- */

struct error *catalog_records(struct catalog *c, unsigned timeout_ms, struct coord_list *ret)
{
    return coord_list(c->coord, KEY_ROOT, timeout_ms, ret);
}

struct error *catalog_write_record(struct catalog *c, const char *key, const char *value,
                                   uint64_t revision, bool *ret_done)
{
    struct coord_compare unmoved = {COORD_UNMOVED, key, revision};
    struct coord_op ops[2] = {{.kind = value ? COORD_PUT : COORD_DELETE,
                               .key = key,
                               .value = value,
                               .value_len = value ? strlen(value) : 0},
                              {.kind = COORD_PUT, .key = KEY_CHANGED, .value = ""}};
    if (strncmp(key, KEY_ROOT, strlen(KEY_ROOT)) != 0 || strcmp(key, KEY_CHANGED) == 0)
        return error_new("22023", "\"%s\" is no record of MiniSQL", key);
    return coord_txn(c->coord, &unmoved, 1, ops, 2, CALL_MS, ret_done, NULL);
}
