/* information_schema about domains, which stand in the catalog as tables of one column. */
#include "exec/system.h"

static const struct object *next_domain(const struct exec__maker *m, size_t *i)
{
    const struct object *o;
    while ((o = catalog_next_type(m->view, i)))
        if (o->kind == OBJ_DOMAIN && exec__needs_text(m, "domain_name", o->name))
            return o;
    return NULL;
}

static struct error *make_domains(struct exec__maker *m)
{
    const struct object *o;
    for (size_t i = 0; (o = next_domain(m, &i));) {
        const struct column *c = &o->domain->columns[0];
        exec__put_name(m, "domain", "name", o->schema, o->name);
        exec__put_type(m, c, 1);
        if (type_by_oid(c->type)->category == 'A' && !c->domain)
            exec__put_text(m, "data_type", type_label(c->type, -1, &m->arena));
        if (c->default_sql && exec__wants(m, "domain_default"))
            exec__put_expr(m, "domain_default", o->domain, c->default_sql, c);
        exec__put_udt(m, c);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_domain_udt_usage(struct exec__maker *m)
{
    const struct object *o;
    for (size_t i = 0; (o = next_domain(m, &i));) {
        exec__put_name(m, "domain", "name", o->schema, o->name);
        exec__put_udt(m, &o->domain->columns[0]);
        TRY(exec__give(m));
    }
    return NULL;
}

static struct error *make_domain_constraints(struct exec__maker *m)
{
    const struct object *o;
    for (size_t i = 0; (o = next_domain(m, &i));)
        for (int k = 0; k < o->domain->n_checks; k++) {
            exec__put_name(m, "constraint", "name", o->schema, o->domain->checks[k].name);
            exec__put_name(m, "domain", "name", o->schema, o->name);
            exec__put_text(m, "is_deferrable", "NO");
            exec__put_text(m, "initially_deferred", "NO");
            TRY(exec__give(m));
        }
    return NULL;
}

static struct error *make_column_domain_usage(struct exec__maker *m)
{
    const struct table *t;
    char kind;
    for (size_t i = 0; (t = exec__next_relation(m->view, &i, &kind));)
        for (int c = 0; kind != 'm' && c < t->n_columns; c++) {
            const struct object *o = catalog_domain(m->view, t->columns[c].domain);
            if (!o)
                continue;
            exec__put_name(m, "domain", "name", o->schema, o->name);
            exec__put_name(m, "table", "name", t->schema, t->name);
            exec__put_text(m, "column_name", t->columns[c].name);
            TRY(exec__give(m));
        }
    return NULL;
}

#define MAKING(name, make_fn)                                                                      \
    {                                                                                              \
        .schema = "information_schema", .relation = name, .make = make_fn                          \
    }

const struct exec__making exec__making_domains[] = {
    MAKING("domains", make_domains),
    MAKING("domain_udt_usage", make_domain_udt_usage),
    MAKING("domain_constraints", make_domain_constraints),
    MAKING("column_domain_usage", make_column_domain_usage),
    {0}};
