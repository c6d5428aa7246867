/*
 * Committing a draft: one change of the store and one entry of a region's log become true together.
 *
 *   none --catalog_prepare--> pending (the record KEY_CHANGING) --catalog_settle--> none
 *
 * The pending record holds the whole change, and the request under which the region's log commits
 * the transaction: whether that request was applied decides it. So whoever crashes when, the master
 * asks the region's primary and knows: before the entry commits, the change never happened; from
 * then on it has happened, and its records are written. While a change is pending no other change
 * of the schema is made (each compares that there is none): what was checked before the entry was
 * logged holds until the records are written.
 *
 * A change that is too large for a value of the store (thousands of tables) lies in parts, which
 * are written before the pending record that counts them, and deleted after it. Parts that no
 * record counts mean nothing; the next large change writes over them.
 */
#include "catalog/catalog_int.h"

/* In one transaction, with room for the fence, the pending record and KEY_CHANGED. */
enum { CHUNK = COORD_TXN_MAX_OPS - 8 };

/* ---- parts -------------------------------------------------------------------------------- */

enum { PART_BYTES = 256 * 1024 };

static const char *part_key(struct arena *a, size_t i)
{
    return arena_printf(a, KEY_PARTS "%zu", i);
}

/* Where the part that begins here ends: not within a character. */
static size_t part_length(const char *text)
{
    size_t n = strnlen(text, PART_BYTES);
    while (n && text[n] && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--;
    return n;
}

/* *ret_record: what the pending record says; the text itself, if it is small. */
static struct error *put_parts(struct catalog *c, const char *text, struct arena *a,
                               const char **ret_record)
{
    size_t n = 0;
    *ret_record = text;
    if (strlen(text) <= PART_BYTES)
        return NULL;
    for (size_t len; *text; text += len) {
        len = part_length(text);
        const struct coord_op put = {
            .kind = COORD_PUT, .key = part_key(a, n++), .value = text, .value_len = len};
        bool done = false;
        TRY(catalog__commit(c, NULL, 0, &put, 1, COMMIT_WHEN_NONE, &done));
        if (!done)
            return error_new(E_STALE_SCHEMA, "another change of the schema is pending");
    }
    *ret_record = arena_printf(a, "{\"parts\":%zu}", n);
    return NULL;
}

/* How many parts a pending record counts; 0: it is the change itself. */
static size_t count_parts(const char *record)
{
    size_t n;
    return sscanf(record, "{\"parts\":%zu}", &n) == 1 ? n : 0;
}

static struct error *get_parts(struct catalog *c, const char *record, struct arena *a,
                               const char **ret)
{
    size_t n = count_parts(record);
    *ret = record;
    if (!n)
        return NULL;
    _cleanup_(buf_done) struct buf text = {0};
    for (size_t i = 0; i < n; i++) {
        struct coord_list l = {0};
        TRY(coord_get(c->coord, part_key(a, i), CALL_MS, &l));
        if (l.n)
            buf_append(&text, l.kvs[0].value, l.kvs[0].value_len);
        bool there = l.n > 0;
        coord_list_done(&l);
        if (!there)
            return error_new(E_DAMAGED, "part %zu of a pending change of the schema is missing", i);
    }
    *ret = arena_strndup(a, text.data, text.len);
    return NULL;
}

/* What is left lies there until it is written over. */
static void drop_parts(struct catalog *c, size_t n)
{
    _cleanup_(arena_done) struct arena a = {0};
    bool done = true;
    for (size_t at = 0; at < n && done;) {
        struct coord_op ops[CHUNK];
        size_t k = 0;
        for (; k < CHUNK && at < n; at++)
            ops[k++] = (struct coord_op){.kind = COORD_DELETE, .key = part_key(&a, at)};
        error_free(catalog__commit(c, NULL, 0, ops, k, COMMIT_WHEN_NONE, &done));
    }
}

/* ---- preparing ---------------------------------------------------------------------------- */

static struct error *overtaken(void)
{
    return error_hint(error_new(E_SERIALIZATION, "could not serialize access due to a concurrent "
                                                 "change of the schema"),
                      "Run the transaction again.");
}

/* Which compare does not hold any more, in the client's words. */
static struct error *conflict(struct catalog *c, const struct drafted *d)
{
    for (size_t i = 0; i < d->mark.n_compares; i++) {
        const char *key = d->compares[i].key;
        bool name = strncmp(key, KEY_NAMES, strlen(KEY_NAMES)) == 0 ||
                    strncmp(key, KEY_INDEXES, strlen(KEY_INDEXES)) == 0;
        struct coord_list l = {0};
        if (!name || d->compares[i].kind != COORD_ABSENT)
            continue;
        TRY(coord_get(c->coord, key, CALL_MS, &l));
        bool taken = l.n > 0;
        coord_list_done(&l);
        if (taken)
            return error_new(E_DUPLICATE_TABLE, "relation \"%s\" already exists",
                             strrchr(key, '.') ? strrchr(key, '.') + 1 : key);
    }
    return overtaken();
}

/* Of two transactions that each made the first table of a colocated database, one is too late. */
static bool strays(const struct catalog_view *v, const struct table *t)
{
    if (!catalog_is_colocated(v, t->database))
        return false;
    for (size_t i = 0; i < v->n_tables; i++)
        if (v->tables[i]->database == t->database && v->tables[i]->region != t->region)
            return true;
    return false;
}

/* What other transactions could have broken without touching any record of this one. */
static struct error *check_whole(const struct catalog_view *v, const struct drafted *d)
{
    for (size_t i = 0; i < v->n_tables; i++) {
        const struct table *t = v->tables[i];
        bool touched = t->region == d->region;
        for (int k = 0; k < d->mark.n_regions; k++)
            touched |= d->mark.regions[k] == t->region;
        if (touched && strays(v, t))
            return overtaken();
        for (int k = 0; touched && k < t->n_foreign_keys; k++)
            if (!catalog_table_by_id(v, t->foreign_keys[k].table))
                return overtaken();
    }
    return NULL;
}

/* All compares, and the pending record with the last of them. */
static struct error *put_pending(struct catalog *c, const struct drafted *d, const char *text)
{
    size_t at = 0;
    for (bool last = false; !last;) {
        struct coord_compare compares[COORD_TXN_MAX_OPS];
        size_t n = 0;
        for (; n < CHUNK && at < d->mark.n_compares; at++)
            compares[n++] = d->compares[at];
        last = at == d->mark.n_compares;
        const struct coord_op pending = {
            .kind = COORD_PUT, .key = KEY_CHANGING, .value = text, .value_len = strlen(text)};
        bool done = false;
        struct error *e =
            catalog__commit(c, compares, n, &pending, last ? 1 : 0, COMMIT_WHEN_NONE, &done);
        TRY(e);
        if (!done)
            return conflict(c, d);
    }
    return NULL;
}

static struct error *put_change(struct catalog *c, const struct drafted *d, const char *text)
{
    _cleanup_(arena_done) struct arena a = {0};
    const char *record;
    TRY(put_parts(c, text, &a, &record));
    return put_pending(c, d, record);
}

static bool is_at(const struct drafted *d, uint64_t region, uint64_t version)
{
    const struct region *r = catalog_region(d->base_view, region);
    return r && r->schema_version == version;
}

/* Has somebody else changed a region that the transaction holds? */
static bool is_overtaken(const struct drafted *d)
{
    bool is = d->region && !is_at(d, d->region, d->told_base);
    for (int i = 0; i < d->mark.n_regions; i++)
        is |= d->told_bases[i] && !is_at(d, d->mark.regions[i], d->told_bases[i]);
    return is;
}

struct error *catalog_prepare(struct catalog *c, const char *text)
{
    struct catalog *draft = catalog_draft_new(c);
    struct catalog_request request;
    struct error *e = catalog_draft_read(draft, text, &request);
    if (!e) {
        const struct drafted *d = draft->drafted;
        const struct catalog_view *v = catalog_view(draft);
        if (is_overtaken(d))
            e = error_new(E_STALE_SCHEMA, "the schema has changed");
        if (!e)
            e = check_whole(v, d);
        if (!e)
            e = put_change(c, d, text);
        catalog_unref(v);
    }
    catalog_close(draft);
    return e;
}

/* ---- settling ----------------------------------------------------------------------------- */

struct error *catalog_pending(struct catalog *c, struct arena *a, struct catalog_pending *ret)
{
    struct coord_list l = {0};
    *ret = (struct catalog_pending){0};
    TRY(coord_get(c->coord, KEY_CHANGING, CALL_MS, &l));
    struct error *e = NULL;
    if (l.n) {
        ret->revision = l.kvs[0].mod_revision;
        const char *record = arena_strndup(a, l.kvs[0].value, l.kvs[0].value_len);
        ret->parts = count_parts(record);
        e = get_parts(c, record, a, &ret->text);
    }
    if (ret->revision && !e) {
        struct catalog *draft = catalog_draft_new(c);
        e = catalog_draft_read(draft, ret->text, &ret->request);
        ret->region = draft->drafted->region;
        catalog_close(draft);
    }
    coord_list_done(&l);
    return e;
}

/* The region's record when the change has happened: gone with its last table, else raised. */
static struct error *region_op(const struct catalog_view *base, const struct catalog_view *after,
                               const struct drafted *d, uint64_t id, struct arena *a,
                               struct coord_compare *ret_compare, struct coord_op *ret)
{
    const struct region *r = catalog_region(base, id);
    bool keeps = false;
    for (size_t i = 0; i < after->n_tables; i++)
        keeps |= after->tables[i]->region == id;
    _cleanup_(mem_freep) char *key = catalog__id_key(KEY_REGIONS, id);
    _cleanup_(mem_freep) char *text = NULL;
    *ret = (struct coord_op){.kind = COORD_DELETE, .key = arena_strdup(a, key)};
    *ret_compare = (struct coord_compare){COORD_UNMOVED, ret->key, r ? r->revision : 0};
    if (!keeps || !r)
        return NULL;
    struct region *next = region_copy(r, a);
    next->schema_version = catalog__draft_version(d, r);
    next->provisional = NULL;
    TRY(catalog__encode_region(next, &text));
    ret->kind = COORD_PUT;
    ret->value = arena_strdup(a, text);
    ret->value_len = strlen(text);
    return NULL;
}

/* The last transaction: what is left of the ops, the regions, and the pending record goes. */
static struct error *write_last(struct catalog *c, const struct catalog *draft,
                                const struct coord_op *ops, size_t n_ops, uint64_t revision,
                                bool *ret_done)
{
    const struct drafted *d = draft->drafted;
    _cleanup_(arena_done) struct arena a = {0};
    struct coord_compare compares[CATALOG_DRAFT_REGIONS + 1];
    struct coord_op all[COORD_TXN_MAX_OPS];
    size_t n = 0, n_compares = 0;
    const struct catalog_view *after = &atomic_load(&draft->current)->pub;
    for (; n < n_ops; n++)
        all[n] = ops[n];
    for (int i = 0; i < d->mark.n_regions; i++)
        TRY(region_op(d->base_view, after, d, d->mark.regions[i], &a, &compares[n_compares++],
                      &all[n++]));
    compares[n_compares++] = (struct coord_compare){COORD_UNMOVED, KEY_CHANGING, revision};
    all[n++] = (struct coord_op){.kind = COORD_DELETE, .key = KEY_CHANGING};
    return catalog__commit(c, compares, n_compares, all, n, COMMIT_ANY, ret_done);
}

static struct error *write_records(struct catalog *c, const struct catalog_pending *p,
                                   bool *ret_done)
{
    enum { ROOM = CHUNK - CATALOG_DRAFT_REGIONS };
    struct catalog *draft = catalog_draft_new(c);
    struct error *e = catalog_draft_read(draft, p->text, NULL);
    const struct drafted *d = draft->drafted;
    const struct coord_compare same = {COORD_UNMOVED, KEY_CHANGING, p->revision};
    size_t at = 0;
    bool done = true;
    for (; !e && done && d->mark.n_ops - at > ROOM; at += ROOM)
        e = catalog__commit(c, &same, 1, d->ops + at, ROOM, COMMIT_ANY, &done);
    if (!e && done)
        e = write_last(c, draft, d->ops + at, d->mark.n_ops - at, p->revision, &done);
    *ret_done = !e && done;
    catalog_close(draft);
    return e;
}

struct error *catalog_settle(struct catalog *c, const struct catalog_pending *p, bool happened)
{
    bool done = false;
    const struct coord_compare same = {COORD_UNMOVED, KEY_CHANGING, p->revision};
    const struct coord_op gone = {.kind = COORD_DELETE, .key = KEY_CHANGING};
    TRY(happened ? write_records(c, p, &done)
                 : catalog__commit(c, &same, 1, &gone, 1, COMMIT_ANY, &done));
    if (done)
        drop_parts(c, p->parts);
    return NULL;
}
