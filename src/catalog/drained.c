/* Pure, and by itself: what the master decides by, a simulator links too. */
#include "catalog/catalog.h"

bool catalog_is_drained(const struct catalog_view *v, const char *server)
{
    size_t n = strlen(server);
    for (const char *p = v->drained; p && *p; p += strcspn(p, ","), p += *p == ',')
        if (strncmp(p, server, n) == 0 && (p[n] == ',' || p[n] == 0))
            return true;
    return false;
}
