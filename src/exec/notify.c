/* Notifications on their way to the other servers. */
#include "exec/exec_int.h"

enum { PATIENCE_MS = 1000 };

static void notify_one(struct exec *e, const char *server, const char *text)
{
    struct error *err = exec__ask_server(e, server, text, PATIENCE_MS, NULL, NULL, NULL);
    if (err)
        log_failure(LOG_WARN, err, "server \"%s\" misses a notification", server);
    error_free(err);
}

void exec_notify_peers(struct exec *e, const char *body)
{
    const struct catalog_view *v = catalog_view(e->catalog);
    char *text = NULL;
    for (size_t i = 0; i < v->n_servers; i++) {
        if (!v->servers[i]->gateway || strcmp(v->servers[i]->name, e->name) == 0)
            continue;
        if (!text)
            text = mem_printf("NOTIFY\n%s", body);
        notify_one(e, v->servers[i]->name, text);
    }
    mem_free(text);
    catalog_unref(v);
}
