/*
 * What SQL around json and jsonb needs: values of any type as JSON, rows with their columns' names,
 * json_to_record(..) AS r (a int, b text), subscripts.
 */
#include "sql_int.h"

struct error *sql__as_json(struct analysis *a, struct expr *e, uint32_t json_type,
                           struct expr **ret)
{
    *ret = e;
    if (e->type == json_type)
        return NULL;
    struct expr *made = sql__new_expr(a, EXPR_FUNC, json_type, e->position - 1, 2);
    made->args[0] = e;
    made->args[1] = sql__const_int(a, OID_INT8, json_value_arg(e->type, e->typmod));
    made->call.func = json_value_func(json_type);
    *ret = made;
    return NULL;
}

static struct expr *text_const(struct analysis *a, const char *s)
{
    return sql__const(a, OID_TEXT, (struct value){.kind = VALUE_TEXT, .s = {s, strlen(s)}}, -1);
}

static struct error *call(struct analysis *a, const char *name, struct expr **args, int n,
                          struct expr **ret)
{
    uint32_t types[3];
    *ret = sql__new_expr(a, EXPR_FUNC, OID_JSON, -1, n);
    memcpy((*ret)->args, args, sizeof(*args) * (size_t)n);
    for (int i = 0; i < MIN(n, 3); i++)
        types[i] = args[i]->type;
    return func_resolve(name, FUNC_SCALAR, types, MIN(n, 3), &(*ret)->call.func);
}

/* row_to_json(row, true): a line for each column */
struct error *sql__json_between(const struct analysis *a, const char *name, const List *args,
                                const char **ret)
{
    *ret = ",";
    if (strcmp(name, "row_to_json") != 0 || list_length(args) != 2)
        return NULL;
    const A_Const *c = list_nth(args, 1);
    if (!IsA(c, A_Const) || c->isnull || !IsA(&c->val, Boolean))
        return sql__unsupported(a, sql__location(list_nth(args, 1)), "Write true or false.",
                                "row_to_json() with a computed second argument is not supported");
    *ret = boolVal(&c->val) ? ",\n " : ",";
    return NULL;
}

const char *sql__json_variant(const char *name, const struct expr *arg, bool is_row)
{
    const struct type *t = type_by_oid(arg->type);
    bool lines = is_row || (t && (t->category == 'A' || type_is_row(t)));
    if (is_row && strcmp(name, "row_to_json") == 0)
        return "minisql_row_to_json";
    return lines && strcmp(name, "json_agg") == 0 ? "minisql_json_agg_lines" : name;
}

/* ---- json_to_record(x) AS r (a int, b json)
 * ------------------------------------------------------
 *
 * It is read as if it were
 *   LATERAL (SELECT minisql_json_field_text(value, 'a')::int AS a,
 *                   minisql_json_field(value, 'b')::json AS b FROM minisql_json_record(x)) AS r
 */

static void *raw_node(struct analysis *a, size_t size, NodeTag tag)
{
    Node *n = arena_alloc(a->arena, size);
    n->type = tag;
    return n;
}
#define RAW(type) ((type *)raw_node(a, sizeof(type), T_##type))

static List *raw_list(struct analysis *a, int n)
{
    List *l = raw_node(a, sizeof(List), T_List);
    l->elements = ARENA_ARRAY(a->arena, ListCell, MAX(n, 1));
    l->max_length = MAX(n, 1);
    return l;
}

static void add(List *l, void *item)
{
    l->elements[l->length++].ptr_value = item;
}

static List *one(struct analysis *a, void *item)
{
    List *l = raw_list(a, 1);
    add(l, item);
    return l;
}

static Node *raw_string(struct analysis *a, const char *text)
{
    String *s = RAW(String);
    s->sval = arena_strdup(a->arena, text);
    return (Node *)s;
}

static FuncCall *raw_call(struct analysis *a, const char *name, List *args, int location)
{
    FuncCall *f = RAW(FuncCall);
    f->funcname = one(a, raw_string(a, name));
    f->args = args;
    f->location = location;
    return f;
}

/* array_agg(row) and ARRAY[row, ..] on their way into json: of rows as json. */
const Node *sql__json_rows(struct analysis *a, struct scope *s, const Node *n)
{
    const FuncCall *f = (const FuncCall *)n;
    if (sql__is_row(a, s, n))
        return (const Node *)raw_call(a, "to_json", one(a, (void *)(uintptr_t)n), sql__location(n));
    if (IsA(n, FuncCall) && list_length(f->args) == 1 &&
        strcmp(strVal(llast(f->funcname)), "array_agg") == 0) {
        FuncCall *made = RAW(FuncCall);
        *made = *f;
        made->args = one(a, (void *)(uintptr_t)sql__json_rows(a, s, linitial(f->args)));
        return (const Node *)made;
    }
    if (IsA(n, A_ArrayExpr)) {
        const List *items = ((const A_ArrayExpr *)n)->elements;
        A_ArrayExpr *made = RAW(A_ArrayExpr);
        *made = *(const A_ArrayExpr *)n;
        made->elements = raw_list(a, list_length(items));
        for (int i = 0; i < list_length(items); i++)
            add(made->elements, (void *)(uintptr_t)sql__json_rows(a, s, list_nth(items, i)));
        return (const Node *)made;
    }
    return n;
}

static bool names_relation(const Node *from, const char *name)
{
    const Alias *alias = NULL;
    if (IsA(from, JoinExpr)) {
        const JoinExpr *j = (const JoinExpr *)from;
        return !j->alias && (names_relation(j->larg, name) || names_relation(j->rarg, name));
    }
    if (IsA(from, RangeVar) && !((const RangeVar *)from)->alias)
        return strcmp(((const RangeVar *)from)->relname, name) == 0;
    if (IsA(from, RangeVar))
        alias = ((const RangeVar *)from)->alias;
    else if (IsA(from, RangeSubselect))
        alias = ((const RangeSubselect *)from)->alias;
    return alias && strcmp(alias->aliasname, name) == 0;
}

/* (SELECT x FROM (SELECT ..) AS x): a row is made there, on its way into json; NULL: no. */
static const ResTarget *row_target(const Node *n)
{
    const SubLink *link = (const SubLink *)n;
    const SelectStmt *sel = IsA(n, SubLink) && link->subLinkType == EXPR_SUBLINK
                                ? (const SelectStmt *)link->subselect
                                : NULL;
    if (!sel || sel->op != SETOP_NONE || list_length(sel->targetList) != 1)
        return NULL;
    const ResTarget *t = linitial(sel->targetList);
    const ColumnRef *c = (const ColumnRef *)t->val;
    if (IsA(t->val, RowExpr))
        return t;
    bool named =
        IsA(t->val, ColumnRef) && list_length(c->fields) == 1 && IsA(linitial(c->fields), String);
    for (int i = 0; named && i < list_length(sel->fromClause); i++)
        if (names_relation(list_nth(sel->fromClause, i), strVal(linitial(c->fields))))
            return t;
    return NULL;
}

bool sql__is_row_select(const Node *n)
{
    return row_target(n) != NULL;
}

/* The subquery gives the row as json already: to_json(), or row_to_json() of these arguments. */
struct error *sql__json_row_select(struct analysis *a, struct scope *s, const char *name,
                                   const List *args, int i, struct expr **ret)
{
    const SubLink *n = list_nth(args, i);
    const ResTarget *row = row_target((const Node *)n);
    bool pretty = strcmp(name, "row_to_json") == 0;
    List *given = raw_list(a, list_length(args));
    add(given, row->val);
    for (int k = 1; pretty && k < list_length(args); k++)
        add(given, list_nth(args, k));
    ResTarget *target = RAW(ResTarget);
    *target = *row;
    target->val = (Node *)raw_call(a, pretty ? name : "to_json", given, sql__location(row->val));
    SelectStmt *sel = RAW(SelectStmt);
    *sel = *(const SelectStmt *)n->subselect;
    sel->targetList = one(a, target);
    SubLink *made = RAW(SubLink);
    *made = *n;
    made->subselect = (Node *)sel;
    return sql__expr(a, s, (const Node *)made, ret);
}

/* ROW(1, ROW(2, 3)): rows in a row, too */
static const Node *fields_as_json(struct analysis *a, struct scope *s, const Node *n)
{
    const List *fields = ((const RowExpr *)n)->args;
    if (!IsA(n, RowExpr))
        return n;
    RowExpr *made = RAW(RowExpr);
    *made = *(const RowExpr *)n;
    made->args = raw_list(a, list_length(fields));
    for (int i = 0; i < list_length(fields); i++) {
        const Node *field = list_nth(fields, i);
        bool star = IsA(field, ColumnRef) && IsA(llast(((const ColumnRef *)field)->fields), A_Star);
        field = star ? field : sql__json_rows(a, s, field);
        add(made->args, (void *)(uintptr_t)field);
    }
    return (const Node *)made;
}

struct error *sql__json_row(struct analysis *a, struct scope *s, const Node *row,
                            const char *between, struct expr **ret)
{
    enum { AT_ONCE = 30 };
    struct target *fields;
    struct expr *all = NULL, *part, *args[1 + 2 * AT_ONCE];
    int n;
    row = fields_as_json(a, s, row);
    TRY(sql__row_fields(a, s, row, &n, &fields));
    sql__row_type_names(a, s, row, fields);
    for (int from = 0; from < MAX(n, 1); from += AT_ONCE) {
        int n_args = 1;
        args[0] = text_const(a, between);
        for (int i = from; i < MIN(n, from + AT_ONCE); i++) {
            struct expr *value = fields[i].expr;
            sql__default_unknown(a, &value);
            TRY(sql__as_json(a, text_const(a, fields[i].name), OID_JSON, &args[n_args++]));
            TRY(sql__as_json(a, value, OID_JSON, &args[n_args++]));
        }
        TRY(call(a, "minisql_json_row", args, n_args, &part));
        struct expr *pair[3] = {all, text_const(a, between), part};
        if (all)
            TRY(call(a, "minisql_json_join", pair, 3, &part));
        all = part;
    }
    all->position = sql__location(row) + 1;
    return sql__missing_row(a, s, row, all, ret);
}

#define FIELD_VALUE "minisql_json_field_value"

/* What gives a field as what its type is read from: composite values and arrays as they are, JSON
 * for json, else text; {..} for arrays whose items have a modifier. */
static const char *field_function(const struct type *t, int32_t typmod)
{
    bool array = t->category == 'A' && t->element;
    if (type_is_composite(t) || (array && typmod < 0))
        return FIELD_VALUE;
    return array                                       ? "minisql_json_field_array"
           : t->oid == OID_JSON || t->oid == OID_JSONB ? "minisql_json_field"
                                                       : "minisql_json_field_text";
}

/* With the modifier set beforehand, a cast does what reading a value of the type does: what is too
 * long is an error. See type_cast(). */
static const TypeName *read_strictly(struct analysis *a, const TypeName *type, int32_t typmod)
{
    if (!type->typmods)
        return type;
    TypeName *strict = RAW(TypeName);
    *strict = *type;
    strict->typmods = NIL;
    strict->typemod = typmod;
    return strict;
}

/* A type, as text that is analysed would name it. */
static TypeName *type_name(struct analysis *a, const struct column *c, int location)
{
    TypeName *t = RAW(TypeName);
    uint32_t oid = c->domain ? c->domain : c->type;
    const struct type *type = type_by_oid(oid);
    const struct object *own =
        oid < FIRST_USER_OID
            ? NULL
            : catalog_object_by_id(a->ctx->view,
                                   (type->element ? type->element : oid) - FIRST_USER_OID);
    t->names = raw_list(a, 2);
    add(t->names, raw_string(a, own ? own->schema : "pg_catalog"));
    add(t->names, raw_string(a, own ? own->name : type->name));
    if (own && type->element && !c->domain)
        t->arrayBounds = one(a, raw_string(a, ""));
    t->typemod = c->domain ? -1 : c->typmod;
    t->location = location;
    return t;
}

static Node *null_of(struct analysis *a, uint32_t type)
{
    A_Const *null = RAW(A_Const);
    null->isnull = true;
    null->location = -1;
    TypeCast *cast = RAW(TypeCast);
    cast->arg = (Node *)null;
    cast->typeName = type_name(a, &(struct column){.type = type, .typmod = -1}, -1);
    cast->location = -1;
    return (Node *)cast;
}

/* json: what it is a field of; NULL: the column called "value" */
static struct error *record_field(struct analysis *a, const ColumnDef *def, const Node *json,
                                  ResTarget **ret)
{
    const struct type *type;
    int32_t typmod;
    uint32_t domain;
    TRY(sql__type_name(a, def->typeName, &type, &typmod, &domain));
    const char *function = field_function(type, typmod);
    ColumnRef *value = RAW(ColumnRef);
    value->fields = one(a, raw_string(a, "value"));
    value->location = def->location;
    A_Const *name = RAW(A_Const);
    name->val.sval = *(String *)(void *)raw_string(a, def->colname);
    name->location = def->location;
    List *args = raw_list(a, 3);
    if (strcmp(function, FIELD_VALUE) == 0)
        add(args, null_of(a, type->oid));
    add(args, json ? (void *)(uintptr_t)json : value);
    add(args, name);
    TypeCast *cast = RAW(TypeCast);
    cast->arg = (Node *)raw_call(a, function, args, def->location);
    cast->typeName = (TypeName *)(uintptr_t)read_strictly(a, def->typeName, typmod);
    cast->location = def->location;
    ResTarget *target = RAW(ResTarget);
    target->name = def->colname;
    target->val = (Node *)cast;
    target->location = def->location;
    *ret = target;
    return NULL;
}

static const char *record_function(const char *name, bool *ret_populates)
{
    static const struct {
        const char *name, *function;
        bool populates;
    } known[] = {{"json_to_record", "minisql_json_record", false},
                 {"jsonb_to_record", "minisql_jsonb_record", false},
                 {"json_to_recordset", "minisql_json_records", false},
                 {"jsonb_to_recordset", "minisql_jsonb_records", false},
                 {"json_populate_record", "minisql_json_record", true},
                 {"jsonb_populate_record", "minisql_jsonb_record", true},
                 {"json_populate_recordset", "minisql_json_populated", true},
                 {"jsonb_populate_recordset", "minisql_jsonb_populated", true}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        *ret_populates = known[i].populates;
        if (strcmp(known[i].name, name) == 0)
            return known[i].function;
    }
    return NULL;
}

/* NULL::table or view: what its columns are; NULL: it is something else */
static const struct table *null_row(const struct analysis *a, const FuncCall *f)
{
    const TypeCast *cast = linitial(f->args);
    const A_Const *null = IsA(cast, TypeCast) ? (const A_Const *)cast->arg : NULL;
    if (!null || !IsA(null, A_Const) || !null->isnull || cast->typeName->arrayBounds)
        return NULL;
    RangeVar rv = sql__range_var(cast->typeName->names);
    const struct table *t = sql__lookup_table(a, &rv);
    const struct object *view = t ? NULL : sql__lookup_view(a, &rv);
    return view ? view->relation : t;
}

/* Of json_populate_record(NULL::t, x) */
static List *populated_columns(struct analysis *a, const struct table *t)
{
    sql__note_unfixed(a, "the type of a table's rows");
    List *columns = raw_list(a, t->n_columns);
    for (int i = 0; i < t->n_columns; i++) {
        if (t->columns[i].dropped)
            continue;
        ColumnDef *def = RAW(ColumnDef);
        def->colname = arena_strdup(a->arena, t->columns[i].name);
        def->typeName = type_name(a, &t->columns[i], -1);
        def->location = -1;
        add(columns, def);
    }
    return columns;
}

/* Of a table, not of a composite type or ROW(..), for which there are functions. */
static bool is_table_row(struct analysis *a, struct scope *s, const FuncCall *f)
{
    const Node *row = linitial(f->args);
    return null_row(a, f) || (sql__is_row(a, s, row) && !IsA(row, RowExpr));
}

const FuncCall *sql__populated(struct analysis *a, struct scope *s, const Node *n)
{
    const FuncCall *f = (const FuncCall *)n;
    const char *name = IsA(n, FuncCall) ? strVal(llast(f->funcname)) : "";
    bool known =
        strcmp(name, "json_populate_record") == 0 || strcmp(name, "jsonb_populate_record") == 0;
    return known && list_length(f->args) == 2 && is_table_row(a, s, f) ? f : NULL;
}

/* A field of the row that json_populate_record() starts from, where json has none of its name */
static struct error *kept_field(struct analysis *a, struct scope *s, const FuncCall *f,
                                const struct target *field, struct target *ret)
{
    bool jsonb = strncmp(strVal(llast(f->funcname)), "jsonb", 5) == 0;
    struct expr *json, *value, *pair[2];
    const struct expr *old = field->expr;
    const struct type *t = type_by_oid(old->type);
    if (old->domain)
        return sql__unsupported(a, f->location, "Write NULL::table, and COALESCE.",
                                "json_populate_record() of a row with a domain is not supported");
    const char *function = field_function(t, old->typmod);
    bool typed = strcmp(function, FIELD_VALUE) == 0;
    TRY(sql__expr(a, s, lsecond(f->args), &json));
    TRY(sql__coerce(a, json, jsonb ? OID_JSONB : OID_JSON, -1, CAST_IMPLICIT, &json));
    struct expr *args[3] = {field->expr, json, text_const(a, field->name)};
    TRY(sql__call_kind(a, function, FUNC_SCALAR, args + !typed, 2 + typed, f->location, &value));
    pair[1] = args[2];
    TRY(sql__coerce(a, value, old->type, -1, CAST_EXPLICIT, &value));
    TRY(sql__coerce(a, value, old->type, old->typmod, CAST_ASSIGNMENT, &value));
    struct expr *choice = sql__new_expr(a, EXPR_CASE, old->type, f->location, 3);
    TRY(sql__coerce(a, json, OID_JSONB, -1, CAST_EXPLICIT, &pair[0]));
    TRY(sql__call(a, "?", pair, 2, f->location, &choice->args[0]));
    choice->args[1] = value;
    choice->args[2] = field->expr;
    choice->typmod = old->typmod;
    *ret = (struct target){.expr = choice, .name = field->name};
    return NULL;
}

struct error *sql__populated_fields(struct analysis *a, struct scope *s, const FuncCall *f,
                                    int *ret_n, struct target **ret)
{
    const struct table *t = null_row(a, f);
    if (!t) {
        struct target *fields;
        TRY(sql__row_fields(a, s, linitial(f->args), ret_n, &fields));
        *ret = ARENA_ARRAY(a->arena, struct target, MAX(*ret_n, 1));
        for (int i = 0; i < *ret_n; i++)
            TRY(kept_field(a, s, f, &fields[i], &(*ret)[i]));
        return NULL;
    }
    List *columns = populated_columns(a, t);
    *ret_n = list_length(columns);
    *ret = ARENA_ARRAY(a->arena, struct target, MAX(*ret_n, 1));
    for (int i = 0; i < *ret_n; i++) {
        const ColumnDef *def = list_nth(columns, i);
        ResTarget *field;
        bool jsonb = strncmp(strVal(llast(f->funcname)), "jsonb", 5) == 0;
        TypeCast *json = RAW(TypeCast);
        json->arg = lsecond(f->args);
        json->typeName = RAW(TypeName);
        json->typeName->names = one(a, raw_string(a, jsonb ? "jsonb" : "json"));
        json->typeName->typemod = -1;
        json->location = f->location;
        TRY(record_field(a, def, (const Node *)json, &field));
        TRY(sql__expr(a, s, field->val, &(*ret)[i].expr));
        (*ret)[i].name = def->colname;
    }
    return NULL;
}

/* FROM json_populate_record(t, x) is LATERAL (SELECT (json_populate_record(t, x)).*) */
static const Node *populated_select(struct analysis *a, const RangeFunction *n, const FuncCall *f)
{
    A_Indirection *all = RAW(A_Indirection);
    all->arg = (Node *)(uintptr_t)f;
    all->indirection = one(a, raw_node(a, sizeof(A_Star), T_A_Star));
    ResTarget *target = RAW(ResTarget);
    target->val = (Node *)all;
    target->location = f->location;
    SelectStmt *select = RAW(SelectStmt);
    select->targetList = one(a, target);
    RangeSubselect *sub = RAW(RangeSubselect);
    sub->lateral = true;
    sub->subquery = (Node *)select;
    sub->alias = n->alias;
    if (!sub->alias) {
        sub->alias = RAW(Alias);
        sub->alias->aliasname = strVal(llast(f->funcname));
    }
    return (const Node *)sub;
}

struct error *sql__json_record(struct analysis *a, struct scope *s, const RangeFunction *n,
                               const Node **ret)
{
    *ret = NULL;
    const Node *node = linitial((const List *)linitial(n->functions));
    const FuncCall *f = (const FuncCall *)node;
    bool populates = false;
    const char *function =
        IsA(node, FuncCall) ? record_function(strVal(llast(f->funcname)), &populates) : NULL;
    if (!function || n->ordinality || list_length(n->functions) != 1 ||
        (n->coldeflist != NIL) == populates)
        return NULL;
    const struct table *t = populates && list_length(f->args) == 2 ? null_row(a, f) : NULL;
    if (!t && sql__populated(a, s, node)) {
        *ret = populated_select(a, n, f);
        return NULL;
    }
    if (!t && populates && list_length(f->args) == 2 && is_table_row(a, s, f))
        return sql__unsupported(a, f->location, "Write NULL::table for it, or json_to_record().",
                                "json_populate_recordset() of a table's row is not supported");
    if (!t && populates) /* an ordinary function */
        return NULL;
    List *columns = t ? populated_columns(a, t) : n->coldeflist;
    List *args = t ? one(a, lsecond(f->args)) : f->args;
    RangeFunction *from = RAW(RangeFunction);
    from->functions = one(a, one(a, raw_call(a, function, args, f->location)));
    SelectStmt *select = RAW(SelectStmt);
    select->targetList = raw_list(a, list_length(columns));
    for (int i = 0; i < list_length(columns); i++) {
        ResTarget *field;
        TRY(record_field(a, list_nth(columns, i), NULL, &field));
        add(select->targetList, field);
    }
    select->fromClause = one(a, from);
    RangeSubselect *sub = RAW(RangeSubselect);
    sub->lateral = true;
    sub->subquery = (Node *)select;
    sub->alias = n->alias;
    if (!sub->alias) {
        sub->alias = RAW(Alias);
        sub->alias->aliasname = strVal(llast(f->funcname));
    }
    *ret = (Node *)sub;
    return NULL;
}

/* ---- j['a'][0]
 * ------------------------------------------------------------------------------------ */

static struct error *subscript(struct analysis *a, struct scope *s, const A_Indices *n,
                               struct expr **ret, uint32_t *ret_type)
{
    if (n->is_slice)
        return sql__at(a, error_new(E_TYPE_MISMATCH, "jsonb subscript does not support slices"),
                       sql__location(n->uidx ? n->uidx : n->lidx));
    TRY(sql__expr(a, s, n->uidx, ret));
    sql__default_unknown(a, ret);
    uint32_t type = *ret_type = (*ret)->type;
    bool whole = type == OID_INT2 || type == OID_INT4;
    if (!whole && !sql__can_coerce(*ret, OID_TEXT, CAST_IMPLICIT))
        return sql__at(a,
                       error_hint(error_new(E_TYPE_MISMATCH, "subscript type %s is not supported",
                                            sql__type(a, type)),
                                  "jsonb subscript must be coercible to either integer or text."),
                       (*ret)->position - 1);
    return sql__coerce(a, *ret, OID_TEXT, -1, CAST_EXPLICIT, ret);
}

/* `before` with `value` where the subscripts say */
struct error *sql__set_json_item(struct analysis *a, struct scope *s, const struct column *column,
                                 struct expr *before, const List *indirection, struct expr *value,
                                 int location, struct expr **ret)
{
    int n = list_length(indirection);
    struct expr **args = ARENA_ARRAY(a->arena, struct expr *, n + 3);
    if (!sql__can_coerce(value, OID_JSONB, CAST_ASSIGNMENT)) {
        struct error *e = error_new(
            E_TYPE_MISMATCH,
            "subscripted assignment to \"%s\" requires type jsonb but expression is of type %s",
            column->name, sql__type(a, value->type));
        error_hint(e, "You will need to rewrite or cast the expression.");
        return sql__at(a, e, location);
    }
    args[0] = before;
    TRY(sql__coerce(a, value, OID_JSONB, -1, CAST_ASSIGNMENT, &args[1]));
    bool number = false;
    for (int i = 0; i < n; i++) {
        const Node *item = list_nth(indirection, i);
        if (!IsA(item, A_Indices))
            return sql__unsupported(a, location, "Write the key as a subscript.",
                                    "this access to a jsonb value is not supported");
        uint32_t type = OID_UNKNOWN;
        TRY(subscript(a, s, (const A_Indices *)item, &args[i + 3], &type));
        number |= i == 0 && (type == OID_INT2 || type == OID_INT4);
    }
    args[2] = sql__const(a, OID_BOOL, (struct value){.kind = VALUE_INT, .i = number}, location);
    return sql__call_kind(a, "minisql_jsonb_assign", FUNC_SCALAR, args, n + 3, location, ret);
}

struct error *sql__json_subscripts(struct analysis *a, struct scope *s, struct expr *json,
                                   const List *subscripts, struct expr **ret)
{
    int count = list_length(subscripts);
    struct expr *e = sql__new_expr(a, EXPR_FUNC, OID_JSONB, json->position - 1, count + 1);
    uint32_t types[2] = {OID_JSONB, OID_TEXT};
    e->args[0] = json;
    for (int i = 0; i < count; i++) {
        const Node *item = list_nth(subscripts, i);
        uint32_t type;
        TRY(subscript(a, s, (const A_Indices *)item, &e->args[i + 1], &type));
    }
    TRY(func_resolve("jsonb_extract_path", FUNC_SCALAR, types, 2, &e->call.func));
    *ret = e;
    return NULL;
}
