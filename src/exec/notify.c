/* Notifications on their way to the other servers. */
#include "exec/exec_int.h"

enum { PATIENCE_MS = 1000 };

static void notify_one(struct exec *e, const char *server, const char *text)
{
    const struct exec_session_options o = {.internal = true};
    struct exec_session *s = exec_session_new(e, &o);
    s->patience = clock_ms() + PATIENCE_MS;
    struct peer_conn *c;
    struct error *err = exec__peer_get(s, server, 0, s->patience, &c);
    if (!err) {
        err = exec__peer_run(s, c, text, NULL, NULL, NULL, NULL, NULL);
        exec__peer_put(c);
    }
    if (err)
        log_failure(LOG_WARN, err, "server \"%s\" misses a notification", server);
    error_free(err);
    exec_session_free(s);
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
