/*
 * Gather plans: pulls each reference into a private SQLite database and runs the statement there.
 *
 * The database has no name: SQLite keeps it in its page cache, as large as the statement's memory,
 * and writes to a temporary file what does not fit. Nothing of it outlives the statement. Row
 * counts are put into sqlite_stat1, so that SQLite's planner knows which side of a join to loop
 * over and when an automatic index pays.
 */
#include "exec/exec_int.h"

struct gathering {
    sqlite3 *db;
    const struct plan_gather *plan;
    struct exec__virtual **virtual; /* of each scan; NULL: it is copied */
};

struct pull {
    sqlite3 *db;
    sqlite3_stmt *insert;
    int64_t rows;
};

static struct error *exec_sql(sqlite3 *db, const char *sql)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? NULL : types_sqlite_error(db, rc);
}

static struct error *open_db(struct run *r, sqlite3 **ret)
{
    int rc = sqlite3_open_v2(
        "", ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        return types_sqlite_error(*ret, rc);
    char sql[200];
    snprintf(sql, sizeof(sql),
             "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE; "
             "PRAGMA cache_size=-%zu",
             MAX(r->s->memory / 1024, (size_t)64));
    TRY(exec_sql(*ret, sql));
    return types_register(*ret);
}

static struct error *put_row(void *ctx, const struct value *values, int n)
{
    struct pull *p = ctx;
    p->rows++;
    TRY(exec__bind(p->db, p->insert, values, n));
    int rc = sqlite3_step(p->insert);
    if (rc != SQLITE_DONE)
        return types_sqlite_error(p->db, rc);
    sqlite3_reset(p->insert);
    return NULL;
}

static struct error *pull_rows(struct run *r, const struct plan_scan *s, struct pull *p)
{
    if (s->region == 0)
        return exec__system_rows(r, s, put_row, p);
    return exec__scan(r, s, put_row, p);
}

static struct error *pull(struct run *r, sqlite3 *db, const struct plan_gather *g, int i)
{
    struct pull p = {.db = db};
    TRY(exec_sql(db, g->creates[i]));
    int rc = sqlite3_prepare_v2(db, g->inserts[i], -1, &p.insert, NULL);
    if (rc != SQLITE_OK)
        return types_sqlite_error(db, rc);
    struct error *e = pull_rows(r, &g->scans[i], &p);
    sqlite3_finalize(p.insert);
    TRY(e);
    r->joined += p.rows;
    char sql[160];
    snprintf(sql, sizeof(sql), "INSERT INTO sqlite_stat1 VALUES ('%s', NULL, '%lld')", g->names[i],
             (long long)p.rows);
    return exec_sql(db, sql);
}

static struct error *run_over(struct run *r, sqlite3 *db, const struct plan_gather *g,
                              exec__row_fn row, void *ctx)
{
    sqlite3_stmt *stmt;
    int rc = types_sqlite_prepare(db, g->sql, g->sql_len, 0, &stmt);
    if (rc != SQLITE_OK)
        return types_sqlite_error(db, rc);
    struct error *e = exec__bind(db, stmt, r->params, r->n_params);
    if (!e)
        e = exec__step_all(r->s, db, stmt, row, ctx);
    sqlite3_finalize(stmt);
    return e;
}

/* What SQLite was not told of an error of a virtual table. */
static struct error *told(const struct gathering *g, struct error *e)
{
    for (int i = 0; i < g->plan->n_scans && e; i++) {
        struct error *own = g->virtual[i] ? exec__virtual_error(g->virtual[i]) : NULL;
        if (own) {
            error_free(e);
            e = own;
        }
    }
    return e;
}

static struct error *gather(struct run *r, struct gathering *g, exec__row_fn row, void *ctx)
{
    const struct plan_gather *plan = g->plan;
    /* ANALYZE makes the table sqlite_stat1, and makes SQLite read it again. */
    TRY(exec_sql(g->db, "ANALYZE sqlite_schema; BEGIN"));
    struct error *e = exec__pin(r, plan->scans, plan->n_scans);
    for (int i = 0; !e && i < plan->n_scans; i++) {
        const struct plan_scan *s = &plan->scans[i];
        if (s->region == 0 && exec__is_virtual(s))
            e = exec__virtual_add(r, g->db, s, plan->names[i], plan->creates[i], &g->virtual[i]);
        else
            e = pull(r, g->db, plan, i);
    }
    TRY(exec__unpin(r, e));
    TRY(exec_sql(g->db, "COMMIT; ANALYZE sqlite_schema"));
    return told(g, run_over(r, g->db, plan, row, ctx));
}

struct error *exec__run_gather(struct run *r, const struct plan_gather *plan, exec__row_fn row,
                               void *ctx)
{
    struct gathering g = {.plan = plan};
    struct error *e = open_db(r, &g.db);
    g.virtual = mem_zalloc(sizeof(struct exec__virtual *) * (size_t)(plan->n_scans + 1));
    if (!e)
        e = gather(r, &g, row, ctx);
    sqlite3_close(g.db);
    mem_free(g.virtual);
    return e;
}
