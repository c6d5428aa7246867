/*
 * minisql recover store: the coordination store is lost; its content is made anew from what the
 * servers' own files hold. Servers are stopped meanwhile. Each gives an inventory: its data
 * directory, if it is on this machine, or what `minisql recover inventory` printed on its own.
 *
 *   tables, names, indexes   from the records in the regions' files (minisql_records)
 *   sequences, objects       from the servers' copies of the store's records (catalog/copy.c): what
 *                            the newest copy has, and what others have that is newer still. A
 *                            sequence is beyond all values that were given
 *   regions                  primary: the copy with the newest (epoch, lsn), by its log and file;
 *                            backups: copies that end at the same; all others are former holders,
 *                            and come back by catching up
 *   epochs                   above any in a file or log, so that nothing from before wins
 *   the counter for ids      far above any: gateways take theirs from it, too, and a gateway that
 *                            got an old id would be answered with the stored results of another
 *
 * (epoch, lsn) orders histories as a takeover does: an entry of a later epoch was written by a
 * primary that had all that was acknowledged before. What can be missing is what only servers knew
 * of that are not here. So those are named, and it takes --accept-data-loss to go on without them.
 */
#include "minisql/fsck_int.h"

#include <stdio.h>

enum { STORE_MS = 10000, BATCH = 100, ID_MARGIN = 1000000 };

/* ---- inventories ---------------------------------------------------------------------------- */

int recover_inventory(struct session *s, char **words, int n)
{
    struct fsck c = {.s = s};
    struct holder *h = NULL;
    uint64_t cluster = 0;
    struct error *e = n == 2 && strcmp(words[0], "--data") == 0
                          ? data_read(&c, words[1], true, &h, &cluster)
                          : error_new(E_SYNTAX, "usage: minisql recover inventory --data DIR");
    if (e) {
        complain_error(s, e);
    } else {
        char hex[17];
        snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)cluster);
        json_t *o = json_pack("{s:i, s:s, s:s, s:s*, s:O, s:O*}", "minisql_inventory", 1, "server",
                              h->name, "cluster", hex, "log_damage", h->log_damage, "copies",
                              h->copies, "catalog", h->catalog);
        json_dumpf(o, s->out, JSON_INDENT(1));
        fputc('\n', s->out);
        json_decref(o);
    }
    fsck_done(&c);
    return e ? EXIT_NOT_CHECKED : EXIT_CLEAN;
}

static struct error *read_inventory(struct fsck *c, const char *path, uint64_t *ret_cluster)
{
    json_error_t why;
    json_t *o = json_load_file(path, 0, &why), *copies = json_object_get(o, "copies");
    if (json_number(o, "minisql_inventory") != 1 || !json_is_object(copies)) {
        json_decref(o);
        return error_hint(error_new(E_DAMAGED, "\"%s\" is no inventory of a server", path),
                          "minisql recover inventory --data DIR prints one.");
    }
    struct holder *h = fsck_add_holder(c, json_text(o, "server"), path);
    h->copies = json_incref(copies);
    h->catalog = json_incref(json_object_get(o, "catalog"));
    if (*json_text(o, "log_damage"))
        h->log_damage = arena_strdup(&c->arena, json_text(o, "log_damage"));
    *ret_cluster = strtoull(json_text(o, "cluster"), NULL, 16);
    json_decref(o);
    return NULL;
}

/* ---- the plan ------------------------------------------------------------------------------- */

struct place {
    const struct holder *h;
    const json_t *copy;
    uint64_t epoch, lsn; /* where its log and file end */
    bool whole;
};

struct comeback {
    uint64_t id;
    struct place places[64];
    size_t n;
    struct place *best;
    struct region region; /* its new record */
};

struct recovery {
    struct fsck c;
    const char *url, *embedded_dir;
    bool accept_loss, dry_run;
    uint64_t cluster, highest_id, era;
    struct comeback *regions;
    size_t n_regions;
    struct coord_op *ops; /* what is to be written */
    size_t n_ops;
    struct map missing; /* names of servers without an inventory */
};

static const json_t *region_record(const json_t *copy, json_t **ret_parsed)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(copy, "records"), i, row) if (json_number(row, "id") == 0)
    {
        *ret_parsed = json_loads(json_text(row, "record"), 0, NULL);
        return row;
    }
    *ret_parsed = NULL;
    return NULL;
}

static struct place place_of(const struct holder *h, const json_t *copy)
{
    struct place p = {
        .h = h, .copy = copy, .epoch = json_number(copy, "epoch"), .lsn = json_number(copy, "lsn")};
    if (json_number(copy, "log_last") > p.lsn && !h->log_damage) {
        p.lsn = json_number(copy, "log_last");
        p.epoch = json_number(copy, "log_epoch");
    }
    p.whole = json_flag(copy, "file") && !*json_text(copy, "error") &&
              !json_flag(copy, "rebuild") && !h->log_damage &&
              json_array_size(json_object_get(copy, "damage")) == 0 &&
              json_number(copy, "log_first") <= json_number(copy, "lsn") + 1;
    return p;
}

static bool is_newer(const struct place *a, const struct place *b)
{
    if (a->whole != b->whole)
        return a->whole;
    return a->epoch != b->epoch ? a->epoch > b->epoch : a->lsn > b->lsn;
}

static void remember_missing(struct recovery *r, const char *server)
{
    if (server && *server && !fsck_holder(&r->c, server))
        map_put_str(&r->missing, server, r);
}

/* Who held it when its schema last changed. */
static void look_for_members(struct recovery *r, const json_t *record)
{
    static const char *const lists[] = {"backups", "former"};
    size_t i;
    json_t *name;
    remember_missing(r, json_text(record, "primary"));
    for (size_t k = 0; k < ARRAY_LEN(lists); k++)
        json_array_foreach(json_object_get(record, lists[k]), i, name)
            remember_missing(r, json_string_value(name));
}

static void gather_places(struct recovery *r, struct comeback *b)
{
    for (size_t i = 0; i < r->c.n_holders && b->n < ARRAY_LEN(b->places); i++) {
        const json_t *copy = holder_copy(&r->c.holders[i], b->id);
        if (!copy)
            continue;
        struct place *p = &b->places[b->n++];
        *p = place_of(&r->c.holders[i], copy);
        if (!b->best || is_newer(p, b->best))
            b->best = p;
        b->region.epoch =
            MAX(b->region.epoch, MAX(json_number(copy, "epoch"), json_number(copy, "log_epoch")));
        r->highest_id = MAX(r->highest_id, json_number(copy, "max_gateway"));
    }
    r->highest_id = MAX(r->highest_id, b->id);
}

/* Members: the best copy, and those that end where it does. */
static void place_members(struct recovery *r, struct comeback *b)
{
    struct region *g = &b->region;
    json_t *record = NULL;
    region_record(b->best->copy, &record);
    look_for_members(r, record);
    g->id = b->id;
    g->copies = (int)MIN(MAX(json_number(record, "copies"), 1u), (unsigned)CATALOG_MAX_COPIES);
    g->epoch = MAX(g->epoch, json_number(record, "epoch")) + 1;
    g->schema_version = json_number(b->best->copy, "schema_version");
    g->primary = arena_strdup(&r->c.arena, b->best->h->name);
    for (size_t i = 0; i < b->n; i++) {
        const struct place *p = &b->places[i];
        if (p == b->best)
            continue;
        char *name = arena_strdup(&r->c.arena, p->h->name);
        bool same = p->whole && p->epoch == b->best->epoch && p->lsn == b->best->lsn;
        if (same && g->n_backups + 1 < g->copies)
            g->backups[g->n_backups++] = name;
        else if (g->n_former < CATALOG_MAX_COPIES)
            g->former[g->n_former++] = name;
    }
    json_decref(record);
}

static void put(struct recovery *r, const char *key, char *value)
{
    if ((r->n_ops & (r->n_ops - 1)) == 0)
        r->ops = mem_realloc(r->ops, MAX(r->n_ops * 2, (size_t)1) * sizeof(*r->ops));
    const char *kept = arena_strdup(&r->c.arena, value);
    r->ops[r->n_ops++] =
        (struct coord_op){.kind = COORD_PUT, .key = key, .value = kept, .value_len = strlen(kept)};
    mem_free(value);
}

static const char *own(struct recovery *r, char *text)
{
    const char *kept = arena_strdup(&r->c.arena, text);
    mem_free(text);
    return kept;
}

static struct error *put_table(struct recovery *r, const json_t *row)
{
    uint64_t id = json_number(row, "id");
    const char *key = own(r, catalog_id_key(CATALOG_TABLE, id)), *text = json_text(row, "record");
    struct coord_kv kv = {
        .key = (char *)(uintptr_t)key, .value = (char *)(uintptr_t)text, .value_len = strlen(text)};
    const void *parsed = NULL;
    TRY(catalog_record_parse(&kv, &parsed));
    const struct table *t = parsed;
    put(r, key, mem_strdup(text));
    put(r, own(r, catalog_name_key(CATALOG_NAME, t, t->name)),
        mem_printf("%llu", (unsigned long long)id));
    for (int i = 0; i < t->n_indexes; i++)
        put(r, own(r, catalog_name_key(CATALOG_INDEX, t, t->indexes[i].name)),
            catalog_index_text(id, t->indexes[i].n_columns));
    r->highest_id = MAX(r->highest_id, table_highest_id(t));
    catalog_record_free(t);
    return NULL;
}

static struct error *put_region(struct recovery *r, struct comeback *b)
{
    char *text;
    size_t i, tables = 0;
    json_t *row;
    if (!json_flag(b->best->copy, "file") || *json_text(b->best->copy, "error"))
        return error_hint(error_new(E_DAMAGED, "region %llu: no copy of it can be read",
                                    (unsigned long long)b->id),
                          "Get the inventory of another server that has it, or move its files out "
                          "of the data directories to go on without it.");
    if (!b->best->whole && !r->accept_loss)
        return error_hint(
            error_new(E_DAMAGED, "region %llu: no copy of it is whole", (unsigned long long)b->id),
            "--accept-data-loss takes the best there is; minisql recover region "
            "brings it up then.");
    json_array_foreach(json_object_get(b->best->copy, "records"), i, row)
    {
        if (json_number(row, "id") == 0)
            continue;
        TRY(put_table(r, row));
        tables++;
    }
    if (!tables) /* a region whose tables were dropped: nothing to bring back */
        return NULL;
    TRY(catalog_region_text(&b->region, &text));
    put(r, own(r, catalog_id_key(CATALOG_REGION, b->id)), text);
    return NULL;
}

/* ---- objects and sequences --------------------------------------------------------------------
 */

static uint64_t copy_number(const struct holder *h, const char *name)
{
    return h->catalog ? json_number(h->catalog, name) : 0;
}

/* The copy that knows the most. */
static const struct holder *newest_catalog(const struct recovery *r)
{
    const struct holder *best = NULL;
    for (size_t i = 0; i < r->c.n_holders; i++) {
        const struct holder *h = &r->c.holders[i];
        uint64_t era = copy_number(h, "era"), revision = copy_number(h, "revision");
        if (h->catalog &&
            (!best || era > copy_number(best, "era") ||
             (era == copy_number(best, "era") && revision > copy_number(best, "revision"))))
            best = h;
    }
    return best;
}

static uint64_t row_revision(const json_t *row)
{
    return (uint64_t)json_integer_value(json_array_get(row, 1));
}

/* What the newest copy has not, it knows to be deleted, unless that is newer than all of it. */
static void merge_catalog(struct map *rows, const struct holder *h, const struct holder *newest)
{
    size_t i;
    json_t *row;
    if (!h->catalog || copy_number(h, "era") != copy_number(newest, "era"))
        return;
    json_array_foreach(json_object_get(h->catalog, "records"), i, row)
    {
        const char *key = json_string_value(json_array_get(row, 0));
        const json_t *known = key ? map_get_str(rows, key) : NULL;
        bool news = h == newest || row_revision(row) > copy_number(newest, "revision") || known;
        if (key && news && (!known || row_revision(row) > row_revision(known)))
            map_put_str(rows, key, row);
    }
}

static struct error *put_sequence(struct recovery *r, const char *key, const struct sequence *s)
{
    struct sequence next = *s;
    const struct table at = {.database = s->database, .schema = s->schema};
    char *text;
    next.generation++; /* values that somebody may yet have in hand are worth nothing */
    TRY(catalog_sequence_text(&next, &text));
    put(r, key, text);
    put(r, own(r, catalog_name_key(CATALOG_NAME, &at, s->name)),
        mem_printf("%llu", (unsigned long long)s->id));
    return NULL;
}

static void count_ids(struct recovery *r, const struct object *o)
{
    r->highest_id = MAX(r->highest_id, MAX(o->id, o->array_id));
    for (int i = 0; i < o->n_labels; i++)
        r->highest_id = MAX(r->highest_id, o->labels[i].id);
    if (o->domain)
        r->highest_id = MAX(r->highest_id, table_highest_id(o->domain));
}

static struct coord_kv kv_of(const json_t *row)
{
    const char *value = json_string_value(json_array_get(row, 2));
    return (struct coord_kv){.key = (char *)(uintptr_t)json_string_value(json_array_get(row, 0)),
                             .value = (char *)(uintptr_t)(value ? value : ""),
                             .value_len = value ? strlen(value) : 0};
}

/* To read a type's record is to know the type; and what has columns of it can only be read then. */
static void learn_type(const json_t *row)
{
    const struct coord_kv kv = kv_of(row);
    const void *parsed = NULL;
    if (catalog_kind_of(kv.key) != CATALOG_OBJECT)
        return;
    error_free(catalog_record_parse(&kv, &parsed));
    catalog_record_free(parsed);
}

static struct error *put_row(struct recovery *r, const json_t *row)
{
    const struct coord_kv kv = kv_of(row);
    const char *key = arena_strdup(&r->c.arena, kv.key), *value = kv.value;
    enum catalog_kind kind = catalog_kind_of(key);
    const void *parsed = NULL;
    if (kind != CATALOG_OBJECT && kind != CATALOG_SEQUENCE)
        return NULL;
    TRY(catalog_record_parse(&kv, &parsed));
    struct error *e = NULL;
    if (kind == CATALOG_SEQUENCE) {
        r->highest_id = MAX(r->highest_id, ((const struct sequence *)parsed)->id);
        e = put_sequence(r, key, parsed);
    } else {
        count_ids(r, parsed);
        put(r, key, mem_strdup(value));
    }
    catalog_record_free(parsed);
    return e;
}

static struct error *put_catalog(struct recovery *r)
{
    const struct holder *newest = newest_catalog(r);
    struct map rows = {0};
    struct error *e = NULL;
    void *row;
    if (!newest)
        return NULL;
    r->era = copy_number(newest, "era");
    merge_catalog(&rows, newest, newest);
    for (size_t i = 0; i < r->c.n_holders; i++)
        merge_catalog(&rows, &r->c.holders[i], newest);
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; map_next(&rows, &i, &row);)
            learn_type(row);
    for (size_t i = 0; map_next(&rows, &i, &row) && !e;)
        e = put_row(r, row);
    map_done(&rows);
    return e;
}

static struct error *check_described(const struct comeback *b)
{
    if (json_flag(b->best->copy, "described") ||
        json_array_size(json_object_get(b->best->copy, "tables")) == 0)
        return NULL;
    return error_hint(error_new(E_UNSUPPORTED,
                                "region %llu: its files don't tell what their tables are",
                                (unsigned long long)b->id),
                      "An older version wrote them. Restore the coordination store from a backup "
                      "of its own (etcdctl snapshot restore).");
}

static struct error *plan(struct recovery *r)
{
    json_t *ids = json_object(), *copy;
    const char *key;
    for (size_t i = 0; i < r->c.n_holders; i++)
        json_object_foreach(r->c.holders[i].copies, key, copy)
            json_object_set_new(ids, key, json_true());
    r->regions = mem_zalloc((json_object_size(ids) + 1) * sizeof(*r->regions));
    struct error *e = put_catalog(r);
    json_object_foreach(ids, key, copy)
    {
        struct comeback *b = &r->regions[r->n_regions++];
        b->id = strtoull(key, NULL, 10);
        gather_places(r, b);
        place_members(r, b);
        if (!e)
            e = check_described(b);
        if (!e)
            e = put_region(r, b);
    }
    json_decref(ids);
    TRY(e);
    put(r, catalog_single_key(CATALOG_NEXT_ID),
        mem_printf("%llu", (unsigned long long)r->highest_id + ID_MARGIN));
    put(r, catalog_single_key(CATALOG_CHANGED), mem_strdup(""));
    put(r, catalog_single_key(CATALOG_CLUSTER),
        catalog_cluster_text(r->cluster, r->era + 1)); /* the last */
    return NULL;
}

static struct error *check_missing(struct recovery *r)
{
    _cleanup_(buf_done) struct buf names = {0};
    const char *key;
    size_t len;
    void *value;
    for (size_t i = 0; map_next_key(&r->missing, &i, &key, &len, &value);)
        buf_printf(&names, "%s%.*s", names.len ? ", " : "", (int)len, key);
    if (!names.len || r->accept_loss)
        return NULL;
    return error_hint(
        error_new("55000", "servers that had copies are not here: %s", names.data),
        "They may have newer ones. Add their data directories or inventories; or, if they are "
        "lost or had nothing that is not here, --accept-data-loss.");
}

/* ---- writing -------------------------------------------------------------------------------- */

/* Only an empty store is filled: or one that a run of this left half-done, or that a server founded
 * anew before anybody noticed. */
static struct error *check_empty(struct recovery *r, const struct coord_list *l)
{
    size_t kept = 0, servers = 0;
    bool founded = false;
    for (size_t i = 0; i < l->n; i++) {
        enum catalog_kind kind = catalog_kind_of(l->kvs[i].key);
        kept += kind == CATALOG_TABLE || kind == CATALOG_REGION || kind == CATALOG_SEQUENCE ||
                kind == CATALOG_OBJECT;
        servers += kind == CATALOG_SERVER;
        founded |= kind == CATALOG_CLUSTER;
    }
    if (servers)
        return error_hint(error_new("55000", "%zu servers are registered at the store", servers),
                          "Stop all servers; a dead one's registration ends within seconds.");
    if (founded && kept)
        return error_hint(error_new("55000", "the store is not empty: it holds a cluster's tables"),
                          "If that is not worth keeping, delete what is under %s.", CATALOG_ROOT);
    return NULL;
}

static struct error *write_batch(struct coord *store, const struct coord_op *ops, size_t n)
{
    bool done = false;
    for (int i = 0; i < 3 && !done; i++) { /* writing the same twice is no harm */
        struct error *e = coord_txn(store, NULL, 0, ops, n, STORE_MS, &done, NULL);
        if (!error_is(e, E_COORD_UNKNOWN))
            TRY(e);
        else
            error_free(e);
    }
    return done ? NULL : error_new(E_UNAVAILABLE, "the store does not answer");
}

static struct error *fill(struct recovery *r, struct coord *store)
{
    struct coord_list l = {0};
    TRY(coord_list(store, CATALOG_ROOT, STORE_MS, &l));
    struct error *e = check_empty(r, &l);
    coord_list_done(&l);
    for (size_t at = 0; at < r->n_ops && !e && !r->dry_run; at += BATCH)
        e = write_batch(store, r->ops + at, MIN(r->n_ops - at, (size_t)BATCH));
    return e;
}

static struct error *write_all(struct recovery *r)
{
    struct coord *store = NULL;
    _cleanup_(mem_freep) char *dir =
        r->embedded_dir ? mem_printf("%s/coord", r->embedded_dir) : NULL;
    TRY(coord_open(r->url, dir ? dir : "", &store));
    struct error *e = fill(r, store);
    coord_close(store);
    return e;
}

/* ---- the command ---------------------------------------------------------------------------- */

static struct error *take_source(struct recovery *r, const char *word, bool directory)
{
    uint64_t cluster = 0;
    struct holder *h;
    TRY(directory ? data_read(&r->c, word, true, &h, &cluster)
                  : read_inventory(&r->c, word, &cluster));
    h = &r->c.holders[r->c.n_holders - 1];
    if (r->cluster && cluster != r->cluster)
        return error_new("55000", "\"%s\" is of another cluster than the ones before", word);
    if (fsck_holder(&r->c, h->name) != h)
        return error_new("55000", "there are two inventories of server %s", h->name);
    r->cluster = cluster;
    if (directory && !r->embedded_dir)
        r->embedded_dir = word;
    return NULL;
}

static struct error *take_words(struct recovery *r, char **words, int n)
{
    for (int i = 0; i < n; i++) {
        bool more = i + 1 < n;
        if (strcmp(words[i], "--coord") == 0 && more)
            r->url = words[++i];
        else if (strcmp(words[i], "--accept-data-loss") == 0)
            r->accept_loss = true;
        else if (strcmp(words[i], "--dry-run") == 0)
            r->dry_run = true;
        else if (strcmp(words[i], "--data") == 0 && more)
            TRY(take_source(r, words[++i], true));
        else
            TRY(take_source(r, words[i], false));
    }
    if (!r->url || !r->c.n_holders)
        return error_new(E_SYNTAX, "usage: minisql recover store --coord URL [--accept-data-loss] "
                                   "[--dry-run] {--data DIR | INVENTORY}..");
    if (strcmp(r->url, "embedded") == 0 && (!r->embedded_dir || r->c.n_holders != 1))
        return error_new(E_SYNTAX, "--coord embedded takes the --data DIR of the one server");
    return NULL;
}

static void print_plan(struct recovery *r)
{
    FILE *out = r->c.s->out;
    for (size_t i = 0; i < r->n_regions; i++) {
        const struct comeback *b = &r->regions[i];
        fprintf(out, "region %llu: epoch %llu, primary %s", (unsigned long long)b->id,
                (unsigned long long)b->region.epoch, b->region.primary);
        for (int k = 0; k < b->region.n_backups; k++)
            fprintf(out, "%s %s", k ? "," : ", backups", b->region.backups[k]);
        fputc('\n', out);
        for (size_t k = 0; k < b->n; k++)
            fprintf(out, "    %-12s epoch %llu lsn %llu%s\n", b->places[k].h->name,
                    (unsigned long long)b->places[k].epoch, (unsigned long long)b->places[k].lsn,
                    b->places[k].whole ? "" : ", damaged");
    }
    fprintf(out, "%zu records %s %s.\n", r->n_ops,
            r->dry_run ? "would be written to" : "written to", r->url);
    if (!r->dry_run)
        fputs("Start the servers now, then run minisql fsck --repair.\n", out);
}

int recover_store(struct session *s, char **words, int n)
{
    struct recovery r = {.c = {.s = s}};
    struct error *e = take_words(&r, words, n);
    if (!e)
        e = plan(&r);
    if (!e)
        e = check_missing(&r);
    if (!e)
        e = write_all(&r);
    if (e)
        complain_error(s, e);
    else
        print_plan(&r);
    mem_free(r.regions);
    mem_free(r.ops);
    map_done(&r.missing);
    fsck_done(&r.c);
    return e ? EXIT_NOT_CHECKED : EXIT_CLEAN;
}
