/*
 * Domains. A value of a domain is a value of the type beneath it, and travels as one; what makes it
 * the domain's is one call where it becomes so, in a cast or an assignment:
 *
 *   minisql_domain(value, 'CASE WHEN NOT (?1 > 0) THEN minisql_domain_violated(..) END')
 *
 * The text is SQLite's, made by the analyser of the domain's NOT NULL and checks, with the value as
 * ?1: so that the value is computed once, and whoever runs the call, where ever in the cluster,
 * needs nothing else. Each thread that does has an SQLite connection without a database, and keeps
 * there what it has prepared.
 */
#include "types/types_int.h"

#include <pthread.h>
#include <sqlite3.h>

enum { MOST_KEPT = 64 };

struct checker {
    sqlite3 *db;
    struct map kept; /* text -> sqlite3_stmt */
    size_t running;  /* a check may cast to another domain */
};

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void forget(struct checker *c)
{
    void *stmt;
    for (size_t i = 0; map_next(&c->kept, &i, &stmt);)
        sqlite3_finalize(stmt);
    map_done(&c->kept);
}

static void thread_ends(void *checker)
{
    struct checker *c = checker;
    forget(c);
    sqlite3_close(c->db);
    mem_free(c);
}

static void make_key(void)
{
    pthread_key_create(&key, thread_ends);
}

static struct error *own_checker(struct checker **ret)
{
    pthread_once(&once, make_key);
    struct checker *c = pthread_getspecific(key);
    if (!c) {
        c = NEW(struct checker);
        int rc =
            sqlite3_open_v2(":memory:", &c->db,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
        struct error *e = rc == SQLITE_OK ? types_register(c->db) : types_sqlite_error(c->db, rc);
        if (e) {
            thread_ends(c);
            return e;
        }
        pthread_setspecific(key, c);
    }
    *ret = c;
    return NULL;
}

static struct error *prepared(struct checker *c, const struct value *text, sqlite3_stmt **ret)
{
    *ret = map_get(&c->kept, text->s.p, text->s.n);
    if (*ret && !sqlite3_stmt_busy(*ret))
        return NULL;
    if (*ret) /* a domain whose check casts to itself */
        return error_new("54001", "stack depth limit exceeded");
    if (c->kept.len >= MOST_KEPT && !c->running)
        forget(c);
    _cleanup_(buf_done) struct buf sql = {0};
    buf_puts(&sql, "SELECT ");
    buf_append(&sql, text->s.p, text->s.n);
    int rc = types_sqlite_prepare(c->db, sql.data, sql.len, SQLITE_PREPARE_PERSISTENT, ret);
    if (rc != SQLITE_OK)
        return types_sqlite_error(c->db, rc);
    map_put(&c->kept, text->s.p, text->s.n, *ret);
    return NULL;
}

/* value, text -> value */
static CALL(domain_check)
{
    struct checker *c;
    sqlite3_stmt *stmt;
    if (v[1].kind != VALUE_TEXT)
        return error_new(E_INTERNAL, "a domain without its checks");
    TRY(own_checker(&c));
    TRY(prepared(c, &v[1], &stmt));
    value_bind(stmt, 1, &v[0]);
    c->running++;
    int rc = sqlite3_step(stmt);
    c->running--;
    struct error *e = rc == SQLITE_ROW ? NULL : types_sqlite_error(c->db, rc);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    *ret = v[0];
    return e;
}

/* shown name, schema, name, constraint or NULL: NOT NULL */
static CALL(domain_violated)
{
    const struct value *check = &v[3];
    for (int i = 0; i < 4; i++)
        if (v[i].kind != VALUE_TEXT && !(i == 3 && check->kind == VALUE_NULL))
            return error_new(E_INTERNAL, "a domain without a name");
    struct error *e =
        check->kind == VALUE_NULL
            ? error_new(E_NOT_NULL, "domain %.*s does not allow null values", (int)v[0].s.n,
                        v[0].s.p)
            : error_new(E_CHECK, "value for domain %.*s violates check constraint \"%.*s\"",
                        (int)v[0].s.n, v[0].s.p, (int)check->s.n, check->s.p);
    e->schema = mem_strndup(v[1].s.p, v[1].s.n);
    e->datatype = mem_strndup(v[2].s.p, v[2].s.n);
    if (check->kind != VALUE_NULL)
        e->constraint = mem_strndup(check->s.p, check->s.n);
    return e;
}

static const struct func rows[] = {
    {.name = "minisql_domain",
     .kind = FUNC_SCALAR,
     .nargs = 2,
     .args = {OID_ANYELEMENT, OID_TEXT},
     .result = OID_ANYELEMENT,
     .guard = true,
     .sqlite_name = "minisql_domain",
     .call = domain_check},
    {.name = "minisql_domain_violated",
     .kind = FUNC_SCALAR,
     .nargs = 4,
     .args = {OID_TEXT, OID_TEXT, OID_TEXT, OID_TEXT},
     .result = OID_BOOL,
     .guard = true,
     .sqlite_name = "minisql_domain_violated",
     .call = domain_violated},
};

/* Not among those that have names: users can't call them. */
const struct func_rows types__domain_funcs = {rows, ARRAY_LEN(rows)};

const struct func *domain_func(void)
{
    return &rows[0];
}

void types_add_domain(uint32_t oid, const char *name, const char *sql_name, uint32_t base)
{
    const struct type *of = type_by_oid(base);
    if (!of)
        return;
    struct type t = *of;
    t.oid = oid;
    t.name = name;
    t.sql_name = sql_name;
    t.array = t.element = 0;
    t.preferred = false;
    type_add(&t);
}
