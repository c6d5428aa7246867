/*
 * The records of the coordination store among themselves: can they be read, does each name lead to
 * its table and back, are indexes and regions somebody's.
 *
 * What can be worked out from other records is repaired: a name, an index record, the counter for
 * ids. A lost or unreadable record of a table or region comes from the servers, which keep what
 * they last knew of a region, and whose files carry the records of their tables.
 */
#include "minisql/fsck_int.h"

/* Far above any id: ids of gateways are taken from the same counter and leave no record. */
enum { ID_MARGIN = 1000000 };

static const struct table *table_of(const struct record *r)
{
    return r->kind == CATALOG_TABLE ? r->parsed : NULL;
}

static struct finding *repair_put(struct finding *f, const char *key, const char *value,
                                  uint64_t revision)
{
    f->repair =
        (struct repair){.kind = REPAIR_PUT, .key = key, .value = value, .revision = revision};
    return f;
}

static void repair_delete(struct finding *f, const struct record *r)
{
    f->repair =
        (struct repair){.kind = REPAIR_DELETE, .key = r->kv->key, .revision = r->kv->mod_revision};
}

static const char *own(struct fsck *c, char *text)
{
    const char *kept = arena_strdup(&c->arena, text);
    mem_free(text);
    return kept;
}

/* ---- single records ------------------------------------------------------------------------- */

/* Its id, as a server that runs knows it; 0: none says. */
static uint64_t cluster_by_servers(const struct fsck *c)
{
    for (size_t i = 0; i < c->n_holders; i++) {
        const char *key;
        json_t *copy;
        json_object_foreach(
            c->holders[i].copies, key,
            copy) if (*json_text(copy, "cluster")) return strtoull(json_text(copy, "cluster"), NULL,
                                                                   16);
    }
    return 0;
}

static void check_cluster(struct fsck *c)
{
    const char *key = catalog_single_key(CATALOG_CLUSTER);
    const struct record *r = fsck_record(c, key);
    uint64_t known = cluster_by_servers(c);
    if (c->cluster)
        return;
    struct finding *f =
        fsck_add(c, SEVERITY_ERROR, "no-cluster", "the store holds no readable record \"%s\"", key);
    if (known)
        repair_put(f, key, own(c, catalog_cluster_text(known, 0)), r ? r->kv->mod_revision : 0);
    else
        f->advice =
            "Servers that run keep what they know; none can start. See minisql recover store.";
}

/* Of records, and of copies that the store may have forgotten. */
static uint64_t highest_id(struct fsck *c)
{
    uint64_t highest = 0;
    for (size_t i = 0; i < c->n_records; i++) {
        const char *slash = strrchr(c->records[i].kv->key, '/');
        if (c->records[i].kind == CATALOG_TABLE || c->records[i].kind == CATALOG_REGION ||
            c->records[i].kind == CATALOG_OBJECT || c->records[i].kind == CATALOG_SEQUENCE)
            highest = MAX(highest, (uint64_t)strtoull(slash + 1, NULL, 10));
        if (c->records[i].kind == CATALOG_TABLE && c->records[i].parsed)
            highest = MAX(highest, table_highest_id(c->records[i].parsed));
    }
    for (size_t i = 0; i < c->n_holders; i++) {
        const char *key;
        json_t *copy;
        json_object_foreach(c->holders[i].copies, key, copy) if (!json_flag(copy, "stray"))
            highest = MAX(highest, (uint64_t)strtoull(key, NULL, 10));
    }
    return highest;
}

static void check_next_id(struct fsck *c)
{
    const char *key = catalog_single_key(CATALOG_NEXT_ID);
    const struct record *r = fsck_record(c, key);
    uint64_t next = r ? strtoull(r->kv->value, NULL, 10) : 0, highest = highest_id(c);
    if (next > highest || highest >= INT64_MAX - ID_MARGIN)
        return;
    struct finding *f = fsck_add(c, SEVERITY_ERROR, "next-id-low",
                                 "record \"%s\" is not above every id in use", key);
    repair_put(f, key, arena_printf(&c->arena, "%llu", (unsigned long long)highest + ID_MARGIN),
               r ? r->kv->mod_revision : 0);
}

/* A region's record comes from the servers; a table's from the files (fsck_copies.c). */
static void check_readable(struct fsck *c, const struct record *r)
{
    static const char *const names[] = {[CATALOG_SERVER] = "server",
                                        [CATALOG_TABLE] = "table",
                                        [CATALOG_REGION] = "region",
                                        [CATALOG_SEQUENCE] = "sequence",
                                        [CATALOG_OBJECT] = "schema, view, type or database"};
    bool must = (size_t)r->kind < ARRAY_LEN(names) && names[r->kind];
    if (r->kind == CATALOG_OTHER) {
        fsck_add(c, SEVERITY_NOTE, "unknown-key", "\"%s\" is no record of MiniSQL", r->kv->key);
        return;
    }
    if (!must || r->parsed)
        return;
    struct finding *f =
        fsck_add(c, SEVERITY_ERROR, "unreadable-record",
                 "the record of a %s makes no sense: \"%s\"", names[r->kind], r->kv->key);
    uint64_t id = strtoull(strrchr(r->kv->key, '/') + 1, NULL, 10);
    const char *text = r->kind == CATALOG_REGION ? fsck_region_text(c, id) : NULL;
    f->region = r->kind == CATALOG_REGION ? id : 0;
    if (text)
        repair_put(f, r->kv->key, text, r->kv->mod_revision);
    else
        f->advice = r->kind == CATALOG_SERVER
                        ? "Restart that server: it writes its record anew."
                        : "Servers go on with what they knew before. Don't restart them before the "
                          "record is whole again.";
}

/* ---- names and indexes ---------------------------------------------------------------------- */

static void check_name_of_table(struct fsck *c, const struct table *t)
{
    const char *key = own(c, catalog_name_key(CATALOG_NAME, t, t->name));
    const struct record *r = fsck_record(c, key);
    if (r && strtoull(r->kv->value, NULL, 10) == t->id)
        return;
    struct finding *f = fsck_add(c, SEVERITY_ERROR, "table-without-name",
                                 "table \"%s\" (id %llu) has no record of its name", t->name,
                                 (unsigned long long)t->id);
    f->region = t->region;
    repair_put(f, key, arena_printf(&c->arena, "%llu", (unsigned long long)t->id),
               r ? r->kv->mod_revision : 0);
}

/* Names whose table's record is there, but unreadable, wait for that. */
static void check_name(struct fsck *c, const struct record *r)
{
    uint64_t id = strtoull(r->kv->value, NULL, 10);
    const struct table *t = fsck_table(c, id);
    if (t) {
        const char *key = own(c, catalog_name_key(CATALOG_NAME, t, t->name));
        if (strcmp(key, r->kv->key) == 0)
            return;
        repair_delete(fsck_add(c, SEVERITY_ERROR, "name-of-another-table",
                               "record \"%s\" leads to a table that has another name", r->kv->key),
                      r);
        return;
    }
    if (fsck_record(c, own(c, catalog_id_key(CATALOG_TABLE, id))) ||
        fsck_record(c, own(c, catalog_id_key(CATALOG_SEQUENCE, id))))
        return;
    repair_delete(fsck_add(c, SEVERITY_ERROR, "name-without-table",
                           "record \"%s\" leads to table %llu, which has no record", r->kv->key,
                           (unsigned long long)id),
                  r);
}

static void check_indexes_of_table(struct fsck *c, const struct table *t)
{
    for (int i = 0; i < t->n_indexes; i++) {
        const char *key = own(c, catalog_name_key(CATALOG_INDEX, t, t->indexes[i].name));
        const char *value = own(c, catalog_index_text(t->id, t->indexes[i].n_columns));
        const struct record *r = fsck_record(c, key);
        if (r && strcmp(r->kv->value, value) == 0)
            continue;
        struct finding *f = fsck_add(c, SEVERITY_ERROR, "index-without-record",
                                     "index \"%s\" of table \"%s\" has no record of its own",
                                     t->indexes[i].name, t->name);
        f->region = t->region;
        repair_put(f, key, value, r ? r->kv->mod_revision : 0);
    }
}

static bool has_index_key(struct fsck *c, const struct table *t, const char *key)
{
    for (int i = 0; t && i < t->n_indexes; i++)
        if (strcmp(own(c, catalog_name_key(CATALOG_INDEX, t, t->indexes[i].name)), key) == 0)
            return true;
    return false;
}

static void check_index(struct fsck *c, const struct record *r)
{
    json_t *o = json_loadb(r->kv->value, r->kv->value_len, 0, NULL);
    const struct table *t = fsck_table(c, json_number(o, "table"));
    json_decref(o);
    for (size_t i = 0; !t && i < c->n_records; i++) /* unreadable, but some table's after all */
        if (has_index_key(c, table_of(&c->records[i]), r->kv->key))
            return;
    if (!has_index_key(c, t, r->kv->key))
        repair_delete(fsck_add(c, SEVERITY_WARNING, "index-without-table",
                               "record \"%s\" is of an index that no table has", r->kv->key),
                      r);
}

/* ---- tables and regions --------------------------------------------------------------------- */

static void check_region_of_table(struct fsck *c, const struct table *t)
{
    const char *key = own(c, catalog_id_key(CATALOG_REGION, t->region));
    if (fsck_record(c, key))
        return;
    for (size_t i = 0; i < c->n_findings; i++) /* one for all of its tables */
        if (strcmp(c->findings[i].code, "table-without-region") == 0 &&
            c->findings[i].region == t->region)
            return;
    struct finding *f = fsck_add(c, SEVERITY_ERROR, "table-without-region",
                                 "table \"%s\" lies in region %llu, which has no record", t->name,
                                 (unsigned long long)t->region);
    f->region = t->region;
    const char *text = fsck_region_text(c, t->region);
    if (text)
        repair_put(f, key, text, 0);
    else
        f->advice = "No running server knows the region. Start all servers that may have a copy, "
                    "then run this again.";
}

static void check_foreign_keys(struct fsck *c, const struct table *t)
{
    for (int i = 0; i < t->n_foreign_keys; i++) {
        const struct foreign_key *k = &t->foreign_keys[i];
        const struct table *other = fsck_table(c, k->table);
        if (other && other->region == t->region)
            continue;
        struct finding *f =
            other ? fsck_add(c, SEVERITY_ERROR, "foreign-key-across-regions",
                             "constraint \"%s\" of table \"%s\" refers to table \"%s\" in another "
                             "region",
                             k->name, t->name, other->name)
                  : fsck_add(c, SEVERITY_ERROR, "foreign-key-to-nothing",
                             "constraint \"%s\" of table \"%s\" refers to table %llu, which has "
                             "no record",
                             k->name, t->name, (unsigned long long)k->table);
        f->region = t->region;
        f->advice = "Copy the table's rows to a new table without this constraint, and drop it.";
    }
}

static bool region_has_tables(struct fsck *c, uint64_t region)
{
    for (size_t i = 0; i < c->n_records; i++) {
        const struct table *t = table_of(&c->records[i]);
        if (c->records[i].kind == CATALOG_TABLE && (!t || t->region == region))
            return true; /* a table that can't be read may be its */
    }
    return false;
}

static bool anybody_has_file(struct fsck *c, uint64_t region)
{
    for (size_t i = 0; i < c->n_holders; i++) {
        const json_t *copy = holder_copy(&c->holders[i], region);
        if (json_flag(copy, "file") || !c->holders[i].copies)
            return true; /* who does not answer may */
    }
    return false;
}

static void check_tables_of_region(struct fsck *c, const struct record *r,
                                   const struct region *region)
{
    if (region->provisional || region_has_tables(c, region->id))
        return; /* or has some as soon as its transaction commits */
    struct finding *f = fsck_add(c, SEVERITY_WARNING, "region-without-tables",
                                 "region %llu has a record, but no table lies in it",
                                 (unsigned long long)region->id);
    f->region = region->id;
    if (!anybody_has_file(c, region->id))
        repair_delete(f, r);
    else
        f->advice = "Where its files hold tables, these are named below, and come back with "
                    "--repair. Else delete the record.";
}

/* Where there never were servers for more, nothing was lost. */
static void too_few(struct fsck *c, const struct region *r, int live)
{
    int servers = 0;
    for (size_t i = 0; i < c->n_holders; i++)
        servers += c->holders[i].region_role;
    bool lost = r->n_former > 0 || live < 1 + r->n_backups || live < servers;
    struct finding *f = fsck_add(c, lost ? SEVERITY_WARNING : SEVERITY_NOTE, "too-few-copies",
                                 "%d of %d copies are on live servers", live, r->copies);
    f->region = r->id;
    f->advice = "The master makes them anew, where there are servers without a copy. See minisql "
                "servers.";
}

static void check_members(struct fsck *c, const struct region *r)
{
    int live = fsck_holder(c, r->primary) != NULL;
    for (int i = 0; i < r->n_backups; i++)
        live += fsck_holder(c, r->backups[i]) != NULL;
    if (live < r->copies)
        too_few(c, r, live);
    for (int i = 0; i < r->n_former; i++)
        if (!fsck_holder(c, r->former[i]))
            fsck_add(c, SEVERITY_NOTE, "former-gone", "server %s held a copy lately and is not up",
                     r->former[i])
                ->region = r->id;
}

/* That it was there both times says that nobody can settle it. */
static void check_pending(struct fsck *c)
{
    if (!fsck_record(c, catalog_single_key(CATALOG_CHANGING)))
        return;
    struct finding *f = fsck_add(c, SEVERITY_WARNING, "schema-change-pending",
                                 "a transaction's change of the schema waits to be settled");
    f->advice = "The master does that as soon as the region that decides about it has a primary. "
                "No other schema change is made before.";
}

void fsck_store(struct fsck *c)
{
    check_cluster(c);
    check_pending(c);
    check_next_id(c);
    for (size_t i = 0; i < c->n_records; i++) {
        const struct record *r = &c->records[i];
        check_readable(c, r);
        if (r->kind == CATALOG_NAME) {
            check_name(c, r);
        } else if (r->kind == CATALOG_INDEX) {
            check_index(c, r);
        } else if (table_of(r)) {
            check_name_of_table(c, r->parsed);
            check_indexes_of_table(c, r->parsed);
            check_region_of_table(c, r->parsed);
            check_foreign_keys(c, r->parsed);
        } else if (r->kind == CATALOG_REGION && r->parsed) {
            check_tables_of_region(c, r, r->parsed);
            check_members(c, r->parsed);
        }
    }
}
