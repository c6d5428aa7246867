/*
 * The table of functions, operators and aggregates that the analyser uses, a row a line: kind (one
 * of scalar, operator, aggregate, window, set, ordered), name, argument types with commas ("*"
 * repeats the last one), result, "volatile" or "-"; then the casts: "cast", from, to, context
 * (implicit, assignment, explicit).
 */
#include <stdio.h>

#include "types/types.h"

static const char *const kinds[] = {
    [FUNC_SCALAR] = "scalar", [FUNC_OPERATOR] = "operator", [FUNC_AGGREGATE] = "aggregate",
    [FUNC_WINDOW] = "window", [FUNC_SET] = "set",           [FUNC_ORDERED] = "ordered",
};

static const char *name_of(uint32_t oid)
{
    const struct type *t = type_by_oid(oid);
    return t ? t->name : oid == OID_ANY ? "any" : "?";
}

static void print_function(const struct func *f)
{
    printf("%s\t%s\t", kinds[f->kind], f->name);
    for (int i = 0; i < f->nargs; i++)
        printf("%s%s", i > 0 ? "," : "", name_of(f->args[i]));
    printf("%s\t%s\t%s\n", f->variadic ? ",*" : "", name_of(f->result),
           f->volatile_ ? "volatile" : "-");
}

static void print_cast(const struct type *from, const struct type *to)
{
    static const char *const contexts[] = {
        [CAST_IMPLICIT] = "implicit",
        [CAST_ASSIGNMENT] = "assignment",
        [CAST_EXPLICIT] = "explicit",
    };
    const struct cast *c = cast_find(from->oid, to->oid, CAST_EXPLICIT);
    if (c && from != to)
        printf("cast\t%s\t%s\t%s\n", from->name, to->name, contexts[c->context]);
}

int main(void)
{
    size_t n;
    const struct func *rows = func_table(&n);
    for (size_t i = 0; i < n; i++)
        print_function(&rows[i]);
    for (uint32_t from = 1; from < 10000; from++) {
        for (uint32_t to = 1; type_by_oid(from) && to < 10000; to++) {
            if (type_by_oid(to))
                print_cast(type_by_oid(from), type_by_oid(to));
        }
    }
    return 0;
}
