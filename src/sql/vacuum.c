/*
 * Options of VACUUM and ANALYZE. They mean nothing here: a region's file needs no vacuum, and
 * counts are kept with the rows. What PostgreSQL does not take is refused as it does.
 */
#include "sql_int.h"

struct error *sql__option_on(const DefElem *d, bool *ret)
{
    static const char *const on[] = {"true", "on"}, *const off[] = {"false", "off"};
    const char *word = d->arg && IsA(d->arg, String)    ? strVal(d->arg)
                       : d->arg && IsA(d->arg, Boolean) ? (boolVal(d->arg) ? "true" : "false")
                                                        : "";
    *ret = true;
    if (!d->arg)
        return NULL;
    if (IsA(d->arg, Integer) && (intVal(d->arg) == 0 || intVal(d->arg) == 1)) {
        *ret = intVal(d->arg);
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(on); i++) {
        *ret = strcasecmp(word, on[i]) == 0;
        if (*ret || strcasecmp(word, off[i]) == 0)
            return NULL;
    }
    return error_new(E_SYNTAX, "%s requires a Boolean value", d->defname);
}

/* By number in options[]. */
enum {
    VACUUM_VERBOSE,
    VACUUM_SKIP_LOCKED,
    VACUUM_ANALYZE,
    VACUUM_FREEZE,
    VACUUM_FULL,
    VACUUM_NO_SKIPPING,
    VACUUM_TOAST,
    VACUUM_TRUNCATE,
    VACUUM_INDEX,
    VACUUM_PARALLEL,
    VACUUM_OPTIONS
};

static const char *const options[VACUUM_OPTIONS] = {
    "verbose",       "skip_locked", "analyze",       "freeze",  "full", "disable_page_skipping",
    "process_toast", "truncate",    "index_cleanup", "parallel"};

struct vacuum {
    bool on[VACUUM_OPTIONS];
};

static struct error *parallel(const struct analysis *a, const DefElem *d, bool *ret)
{
    enum { MOST = 1024 };
    if (!d->arg)
        return sql__at(
            a, error_new(E_SYNTAX, "parallel option requires a value between 0 and %d", MOST),
            d->location);
    int workers = IsA(d->arg, Integer) ? intVal(d->arg) : -1;
    *ret = workers > 0;
    return workers >= 0 && workers <= MOST
               ? NULL
               : sql__at(a,
                         error_new(E_SYNTAX, "parallel workers for vacuum must be between 0 and %d",
                                   MOST),
                         d->location);
}

static struct error *option(const struct analysis *a, const VacuumStmt *n, const DefElem *d,
                            struct vacuum *v)
{
    int i = 0;
    while (i < VACUUM_OPTIONS && strcmp(options[i], d->defname) != 0)
        i++;
    if (i == VACUUM_OPTIONS || (!n->is_vacuumcmd && i > VACUUM_SKIP_LOCKED))
        return sql__at(a,
                       error_new(E_SYNTAX, "unrecognized %s option \"%s\"",
                                 n->is_vacuumcmd ? "VACUUM" : "ANALYZE", d->defname),
                       d->location);
    if (i == VACUUM_PARALLEL)
        return parallel(a, d, &v->on[i]);
    if (i == VACUUM_INDEX && d->arg && IsA(d->arg, String) &&
        strcasecmp(strVal(d->arg), "auto") == 0)
        return NULL;
    return sql__option_on(d, &v->on[i]);
}

struct error *sql__check_vacuum(const struct analysis *a, const VacuumStmt *n)
{
    struct vacuum v = {.on[VACUUM_TOAST] = true, .on[VACUUM_ANALYZE] = !n->is_vacuumcmd};
    for (int i = 0; i < list_length(n->options); i++)
        TRY(option(a, n, list_nth(n->options, i), &v));
    if (v.on[VACUUM_FULL] && v.on[VACUUM_PARALLEL])
        return error_new(E_UNSUPPORTED, "VACUUM FULL cannot be performed in parallel");
    if (v.on[VACUUM_FULL] && v.on[VACUUM_NO_SKIPPING])
        return error_new(E_UNSUPPORTED,
                         "VACUUM option DISABLE_PAGE_SKIPPING cannot be used with FULL");
    for (int i = 0; i < list_length(n->rels) && !v.on[VACUUM_ANALYZE]; i++)
        if (((const VacuumRelation *)list_nth(n->rels, i))->va_cols)
            return error_new(E_UNSUPPORTED,
                             "ANALYZE option must be specified when a column list is "
                             "provided");
    if (v.on[VACUUM_FULL] && !v.on[VACUUM_TOAST])
        return error_new(E_UNSUPPORTED, "PROCESS_TOAST required with VACUUM FULL");
    return NULL;
}
