/*
 * Repairs: what fsck found out how to mend without losing anything. A record is replaced only if it
 * is still as it was found; a file is set aside, never deleted.
 */
#include "minisql/fsck_int.h"

#include <stdio.h>

enum { RECORD_MS = 10000, REBUILD_MS = 30000, MOVE_MS = 15000 };

static struct error *any_server(struct fsck *c, PGconn **ret)
{
    for (size_t i = 0; i < c->n_holders; i++)
        if (c->holders[i].conn) {
            *ret = c->holders[i].conn;
            return NULL;
        }
    return error_new(E_CONNECTION, "no server answers");
}

static struct error *server_of(struct fsck *c, const char *name, PGconn **ret)
{
    const struct holder *h = fsck_holder(c, name);
    if (!h || !h->conn)
        return error_new(E_CONNECTION, "server %s does not answer", name);
    *ret = h->conn;
    return NULL;
}

static struct error *write_record(struct fsck *c, const struct repair *r)
{
    PGconn *conn = NULL;
    bool put = r->kind == REPAIR_PUT;
    TRY(any_server(c, &conn));
    _cleanup_(mem_freep) char *text =
        mem_printf("FSCK %s %llu %zu\n%s%s", put ? "put" : "delete",
                   (unsigned long long)r->revision, strlen(r->key), r->key, put ? r->value : "");
    return ask_run(conn, text, RECORD_MS, NULL, NULL, NULL);
}

/* Is the server a member that is not the primary? As that server sees it. */
static bool is_backup(struct fsck *c, PGconn *conn, uint64_t region)
{
    json_t *all = NULL, *copy;
    size_t i;
    bool is = false;
    error_free(ask_json(conn, "FSCK disk", RECORD_MS, &all));
    json_array_foreach(all, i, copy) if (json_number(copy, "region") == region) is |=
        strcmp(json_text(copy, "role"), "primary") != 0;
    json_decref(all);
    return is;
}

static struct error *move_primary(struct fsck *c, const struct repair *r)
{
    PGconn *conn = NULL;
    uint64_t deadline = clock_ms() + MOVE_MS;
    TRY(server_of(c, r->server, &conn));
    _cleanup_(mem_freep) char *text =
        mem_printf("CHANGE %llu transfer %s", (unsigned long long)r->region, r->other);
    while (!is_backup(c, conn, r->region)) {
        if (clock_ms() >= deadline)
            return error_new(E_UNAVAILABLE, "%s could not be made the primary", r->other);
        error_free(ask_run(conn, text, RECORD_MS, NULL, NULL, NULL));
        sleep_ms(300);
    }
    return NULL;
}

static struct error *rebuild(struct fsck *c, const struct repair *r)
{
    PGconn *conn = NULL;
    const struct region *region = fsck_region(c, r->region);
    TRY(server_of(c, r->server, &conn));
    if (region && strcmp(region->primary, r->server) == 0)
        TRY(move_primary(c, r));
    _cleanup_(mem_freep) char *text =
        mem_printf("FSCK rebuild %llu", (unsigned long long)r->region);
    return ask_run(conn, text, REBUILD_MS, NULL, NULL, NULL);
}

static struct error *set_aside(struct fsck *c, const struct repair *r)
{
    PGconn *conn = NULL;
    TRY(server_of(c, r->server, &conn));
    _cleanup_(mem_freep) char *text = mem_printf("FSCK aside %llu", (unsigned long long)r->region);
    return ask_run(conn, text, RECORD_MS, NULL, NULL, NULL);
}

struct error *fsck_repair_one(struct fsck *c, const struct repair *r)
{
    switch (r->kind) {
    case REPAIR_PUT:
    case REPAIR_DELETE:
        return write_record(c, r);
    case REPAIR_REBUILD:
        return rebuild(c, r);
    case REPAIR_ASIDE:
        return set_aside(c, r);
    case REPAIR_NONE:
        break;
    }
    return NULL;
}

static const char *done(struct fsck *c, const struct repair *r)
{
    switch (r->kind) {
    case REPAIR_PUT:
        return arena_printf(&c->arena, "record \"%s\" was written", r->key);
    case REPAIR_DELETE:
        return arena_printf(&c->arena, "record \"%s\" was deleted", r->key);
    case REPAIR_REBUILD:
        return arena_printf(&c->arena,
                            "the copy was set aside (.damaged) and is made anew from that at %s",
                            r->other);
    case REPAIR_ASIDE:
        return "the file was renamed to end in .aside";
    case REPAIR_NONE:
        break;
    }
    return NULL;
}

/* Another finding about the same thing, say of another copy, was first. */
static bool is_repaired(const struct fsck *c, size_t n, const struct repair *r)
{
    for (size_t i = 0; i < n; i++) {
        const struct finding *f = &c->findings[i];
        if (f->repaired && f->repair.kind == r->kind && r->key &&
            strcmp(f->repair.key, r->key) == 0)
            return true;
    }
    return false;
}

void fsck_repair(struct fsck *c)
{
    for (size_t i = 0; i < c->n_findings; i++) {
        struct finding *f = &c->findings[i];
        if (f->repair.kind == REPAIR_NONE)
            continue;
        if (is_repaired(c, i, &f->repair)) {
            f->repaired = true;
            f->outcome = "the same repair";
            continue;
        }
        struct error *e = fsck_repair_one(c, &f->repair);
        f->repaired = !e;
        f->outcome = e ? arena_printf(&c->arena, "could not be repaired: %s", e->message)
                       : done(c, &f->repair);
        error_free(e);
    }
}
