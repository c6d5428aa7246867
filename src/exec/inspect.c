/*
 * What `minisql fsck` and `minisql recover` ask of a server: FSCK and a verb (exec.h). They gather
 * and compare; a server only tells what it has, and does one small thing at a time.
 */
#include "exec/exec_int.h"

#include <stdio.h>

enum { STORE_MS = 5000 };

struct ask {
    struct exec_session *s;
    struct exec *e;
    const char *rest; /* of the head, behind the verb */
    const char *body;
    const struct exec_wire *wire;
    char *tag;
};

static struct error *malformed(void)
{
    return error_new(E_PROTOCOL, "malformed internal statement");
}

static struct error *send_text(void *ctx, const char *json, size_t len)
{
    const struct exec_wire *wire = ctx;
    return wire->data(wire->ctx, json, len);
}

/* ---- the coordination store --------------------------------------------------------------- */

static struct error *send_record(const struct exec_wire *wire, const struct coord_kv *kv)
{
    _cleanup_(buf_done) struct buf b = {0};
    buf_put64(&b, kv->mod_revision);
    buf_put8(&b, kv->lease != 0);
    buf_append(&b, kv->key, strlen(kv->key) + 1);
    buf_append(&b, kv->value, kv->value_len);
    return wire->data(wire->ctx, b.data, b.len);
}

static struct error *records(struct ask *a)
{
    struct coord_list l = {0};
    TRY(catalog_records(a->e->catalog, STORE_MS, &l));
    struct error *e = a->wire->copy_out(a->wire->ctx);
    for (size_t i = 0; i < l.n && !e; i++)
        e = send_record(a->wire, &l.kvs[i]);
    coord_list_done(&l);
    return e;
}

static struct error *write_record(struct ask *a, bool put)
{
    unsigned long long revision;
    unsigned key_len;
    if (sscanf(a->rest, "%llu %u", &revision, &key_len) != 2 || key_len > strlen(a->body))
        return malformed();
    _cleanup_(mem_freep) char *key = mem_strndup(a->body, key_len);
    bool done = false;
    TRY(catalog_write_record(a->e->catalog, key, put ? a->body + key_len : NULL, revision, &done));
    return done ? NULL
                : error_hint(error_new("55000", "record \"%s\" was changed meanwhile", key),
                             "Run the check again.");
}

static struct error *put_record(struct ask *a)
{
    return write_record(a, true);
}

static struct error *delete_record(struct ask *a)
{
    return write_record(a, false);
}

/* ---- regions ------------------------------------------------------------------------------ */

static struct error *no_regions(const struct ask *a)
{
    return error_new("55000", "server \"%s\" holds no regions", a->e->name);
}

static bool take_number(const struct ask *a, uint64_t *ret)
{
    unsigned long long n;
    if (sscanf(a->rest, "%llu", &n) != 1)
        return false;
    *ret = n;
    return true;
}

static struct error *disk(struct ask *a)
{
    TRY(a->wire->copy_out(a->wire->ctx));
    return a->e->regions ? region_inspect(a->e->regions, send_text, (void *)(uintptr_t)a->wire)
                         : NULL;
}

static struct error *look(struct ask *a)
{
    uint64_t region;
    if (!take_number(a, &region))
        return malformed();
    if (!a->e->regions)
        return no_regions(a);
    region_look_close(a->s->look);
    a->s->look = NULL;
    TRY(region_look_open(a->e->regions, region, &a->s->look));
    snprintf(a->tag, 64, "FSCK %llu", (unsigned long long)region_look_lsn(a->s->look));
    return NULL;
}

static struct error *look_at(struct ask *a)
{
    uint64_t lsn;
    if (!take_number(a, &lsn) || !a->s->look)
        return malformed();
    return region_look_at(a->s->look, lsn);
}

static struct error *contents(struct ask *a)
{
    bool deep = strcmp(a->rest, "deep") == 0;
    if (!a->s->look)
        return malformed();
    TRY(a->wire->copy_out(a->wire->ctx));
    struct error *e = region_look_contents(a->s->look, deep, send_text, (void *)(uintptr_t)a->wire);
    region_look_close(a->s->look);
    a->s->look = NULL;
    return e;
}

static struct error *change_copy(struct ask *a,
                                 struct error *(*change)(struct regions *r, uint64_t region))
{
    uint64_t region;
    if (!take_number(a, &region))
        return malformed();
    return a->e->regions ? change(a->e->regions, region) : no_regions(a);
}

static struct error *rebuild(struct ask *a)
{
    return change_copy(a, region_rebuild);
}

static struct error *set_aside(struct ask *a)
{
    return change_copy(a, region_set_aside);
}

static struct error *adopt(struct ask *a)
{
    return change_copy(a, region_adopt);
}

struct error *exec__fsck(struct exec_session *s, const char *head, const char *body,
                         const struct exec_wire *wire, char *tag)
{
    static const struct {
        const char *verb;
        struct error *(*run)(struct ask *a);
    } verbs[] = {{"records", records},   {"put", put_record},  {"delete", delete_record},
                 {"disk", disk},         {"look", look},       {"at", look_at},
                 {"contents", contents}, {"rebuild", rebuild}, {"aside", set_aside},
                 {"adopt", adopt}};
    size_t n = strcspn(head, " ");
    struct ask a = {.s = s,
                    .e = s->exec,
                    .rest = head[n] ? head + n + 1 : head + n,
                    .body = body,
                    .wire = wire,
                    .tag = tag};
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (strlen(verbs[i].verb) == n && strncmp(verbs[i].verb, head, n) == 0)
            return verbs[i].run(&a);
    return malformed();
}
