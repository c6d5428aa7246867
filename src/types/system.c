/*
 * Functions about the catalog, the session and the server (format_type, has_table_privilege,
 * current_setting ..): their rows. What they do is known in exec/, which gives types_set_system()
 * a function for each. They run where the statement came in, never at a region: plan/ sees to that
 * by func->system.
 */
#include "types/types_int.h"

#include <stdio.h>

static types_system_fn *const *functions; /* SYSTEM_FUNCS of them; set before sessions start */

void types_set_system(types_system_fn *const *all)
{
    functions = all;
}

static struct error *call(enum system_func f, const struct value *v, int n, struct arena *a,
                          struct value *ret)
{
    if (!functions || !functions[f])
        return error_new(E_INTERNAL, "system functions are not available here");
    return functions[f](v, n, a, ret);
}

#define FORWARD(id)                                                                                \
    static CALL(call_##id)                                                                         \
    {                                                                                              \
        return call(SYSTEM_##id, v, n, a, ret);                                                    \
    }
SYSTEM_LIST(FORWARD)
#undef FORWARD

/* A byte of a name, from 0: names are 64 bytes, with zeros at the end. */
static CALL(name_get)
{
    enum { NAME_BYTES = 64 };
    *ret = (struct value){.kind = VALUE_NULL};
    if (v[1].i < 0 || v[1].i >= NAME_BYTES)
        return NULL;
    bool inside = v[1].i < (int64_t)v[0].s.n;
    unsigned char c = inside ? (unsigned char)v[0].s.p[v[1].i] : 0;
    char text[8];
    snprintf(text, sizeof(text), c < 128 ? "%c" : "\\%o", c);
    return type_parse(type_by_oid(OID_CHAR), arena_strdup(a, text), strlen(text), -1, a, ret);
}

/* current_setting() of the value that the session has, or NULL, and whether that may be missing: it
 * fails for the row that asks, not for the statement. */
static CALL(setting)
{
    *ret = v[1];
    if (v[1].kind != VALUE_NULL || v[0].kind == VALUE_NULL || v[2].kind == VALUE_NULL || v[2].i)
        return NULL;
    return error_new(E_UNDEFINED_OBJECT, "unrecognized configuration parameter \"%.*s\"",
                     (int)v[0].s.n, v[0].s.p);
}

enum { STRICT = 1, VOLATILE = 2, SESSION = 4 };

/* `form` tells rows of one name apart. */
#define ROW(name_, form, id, result_, flags, ...)                                                  \
    {                                                                                              \
        .name = name_, .kind = FUNC_SCALAR,                                                        \
        .nargs = (int)(sizeof((uint32_t[]){0, ##__VA_ARGS__}) / sizeof(uint32_t)) - 1,             \
        .args = {__VA_ARGS__}, .result = result_, .strict = ((flags)&STRICT) != 0,                 \
        .volatile_ = ((flags)&VOLATILE) != 0, .system = true, .session = ((flags)&SESSION) != 0,   \
        .sqlite_name = "system_" name_ form, .call = call_##id                                     \
    }

/* has_x_privilege of an object by name or by oid, of a user by name, by oid, or of oneself */
#define PRIVILEGE(name_, id)                                                                       \
    ROW(name_, "_t", id, OID_BOOL, STRICT, OID_TEXT, OID_TEXT),                                    \
        ROW(name_, "_o", id, OID_BOOL, STRICT, OID_OID, OID_TEXT),                                 \
        ROW(name_, "_nt", id, OID_BOOL, STRICT, OID_NAME, OID_TEXT, OID_TEXT),                     \
        ROW(name_, "_no", id, OID_BOOL, STRICT, OID_NAME, OID_OID, OID_TEXT),                      \
        ROW(name_, "_ot", id, OID_BOOL, STRICT, OID_OID, OID_TEXT, OID_TEXT),                      \
        ROW(name_, "_oo", id, OID_BOOL, STRICT, OID_OID, OID_OID, OID_TEXT)

#define VISIBLE(name_, id) ROW(name_, "", id, OID_BOOL, STRICT, OID_OID)

/* of what is not counted */
#define COUNTER(name_) ROW(name_, "", ZERO, OID_INT8, STRICT, OID_OID)

/* of a lock by one int8, or by two int4 */
#define ADVISORY(name_, id, result_)                                                               \
    ROW(name_, "", id, result_, STRICT | VOLATILE, OID_INT8),                                      \
        ROW(name_, "_two", id, result_, STRICT | VOLATILE, OID_INT4, OID_INT4)

static const struct func rows[] = {
    {.name = "minisql_name_get",
     .kind = FUNC_SCALAR,
     .nargs = 2,
     .args = {OID_NAME, OID_INT4},
     .result = OID_CHAR,
     .strict = true,
     .sqlite_name = "name_get",
     .call = name_get},
    {.name = "minisql_setting",
     .kind = FUNC_SCALAR,
     .nargs = 3,
     .args = {OID_TEXT, OID_TEXT, OID_BOOL},
     .result = OID_TEXT,
     .sqlite_name = "minisql_setting",
     .call = setting},
    ROW("format_type", "", FORMAT_TYPE, OID_TEXT, 0, OID_OID, OID_INT4),
    ROW("pg_get_indexdef", "", INDEXDEF, OID_TEXT, STRICT, OID_OID),
    ROW("pg_get_indexdef", "_column", INDEXDEF, OID_TEXT, STRICT, OID_OID, OID_INT4, OID_BOOL),
    ROW("pg_get_constraintdef", "", CONSTRAINTDEF, OID_TEXT, STRICT, OID_OID),
    ROW("pg_get_constraintdef", "_pretty", CONSTRAINTDEF, OID_TEXT, STRICT, OID_OID, OID_BOOL),
    ROW("pg_get_expr", "", EXPR, OID_TEXT, STRICT, OID_NODE_TREE, OID_OID),
    ROW("pg_get_expr", "_pretty", EXPR, OID_TEXT, STRICT, OID_NODE_TREE, OID_OID, OID_BOOL),
    ROW("pg_get_viewdef", "", VIEWDEF, OID_TEXT, STRICT, OID_OID),
    ROW("pg_get_viewdef", "_pretty", VIEWDEF, OID_TEXT, STRICT, OID_OID, OID_BOOL),
    ROW("pg_get_viewdef", "_wrap", VIEWDEF, OID_TEXT, STRICT, OID_OID, OID_INT4),
    ROW("pg_get_viewdef", "_named", VIEWDEF, OID_TEXT, STRICT, OID_TEXT),
    ROW("pg_get_viewdef", "_named_pretty", VIEWDEF, OID_TEXT, STRICT, OID_TEXT, OID_BOOL),
    ROW("pg_get_ruledef", "", NOTHING, OID_TEXT, STRICT, OID_OID),
    ROW("pg_get_ruledef", "_pretty", NOTHING, OID_TEXT, STRICT, OID_OID, OID_BOOL),
    ROW("pg_get_triggerdef", "", NOTHING, OID_TEXT, STRICT, OID_OID),
    ROW("pg_get_triggerdef", "_pretty", NOTHING, OID_TEXT, STRICT, OID_OID, OID_BOOL),
    ROW("pg_get_statisticsobjdef", "", NOTHING, OID_TEXT, STRICT, OID_OID),
    ROW("pg_get_statisticsobjdef_columns", "", NOTHING, OID_TEXT, STRICT, OID_OID),
    ROW("pg_get_partkeydef", "", NOTHING, OID_TEXT, STRICT, OID_OID),
    ROW("pg_get_partition_constraintdef", "", NOTHING, OID_TEXT, STRICT, OID_OID),
    ROW("pg_get_functiondef", "", FUNCTION_DEFINITION, OID_TEXT, STRICT, OID_OID),
    ROW("pg_get_function_sqlbody", "", NOTHING, OID_TEXT, STRICT, OID_OID),
    ROW("pg_get_function_arg_default", "", NOTHING, OID_TEXT, STRICT, OID_OID, OID_INT4),
    ROW("pg_get_function_arguments", "", FUNCTION_ARGUMENTS, OID_TEXT, STRICT, OID_OID),
    ROW("pg_get_function_identity_arguments", "", FUNCTION_ARGUMENTS, OID_TEXT, STRICT, OID_OID),
    ROW("pg_get_function_result", "", FUNCTION_RESULT, OID_TEXT, STRICT, OID_OID),
    ROW("pg_get_userbyid", "", USERBYID, OID_NAME, STRICT, OID_OID),
    VISIBLE("pg_table_is_visible", TABLE_IS_VISIBLE),
    VISIBLE("pg_type_is_visible", TYPE_IS_VISIBLE),
    VISIBLE("pg_function_is_visible", ALWAYS),
    VISIBLE("pg_operator_is_visible", ALWAYS),
    VISIBLE("pg_opclass_is_visible", ALWAYS),
    VISIBLE("pg_opfamily_is_visible", ALWAYS),
    VISIBLE("pg_collation_is_visible", ALWAYS),
    VISIBLE("pg_conversion_is_visible", ALWAYS),
    VISIBLE("pg_statistics_obj_is_visible", ALWAYS),
    VISIBLE("pg_ts_parser_is_visible", ALWAYS),
    VISIBLE("pg_ts_dict_is_visible", ALWAYS),
    VISIBLE("pg_ts_template_is_visible", ALWAYS),
    VISIBLE("pg_ts_config_is_visible", ALWAYS),
    ROW("obj_description", "", OBJ_DESCRIPTION, OID_TEXT, STRICT, OID_OID),
    ROW("obj_description", "_of", OBJ_DESCRIPTION, OID_TEXT, STRICT, OID_OID, OID_NAME),
    ROW("shobj_description", "", SHOBJ_DESCRIPTION, OID_TEXT, STRICT, OID_OID, OID_NAME),
    ROW("col_description", "", COL_DESCRIPTION, OID_TEXT, STRICT, OID_OID, OID_INT4),
    ROW("pg_relation_size", "", RELATION_SIZE, OID_INT8, STRICT, OID_REGCLASS),
    ROW("pg_relation_size", "_fork", RELATION_SIZE, OID_INT8, STRICT, OID_REGCLASS, OID_TEXT),
    ROW("pg_table_size", "", RELATION_SIZE, OID_INT8, STRICT, OID_REGCLASS),
    ROW("pg_total_relation_size", "", RELATION_SIZE, OID_INT8, STRICT, OID_REGCLASS),
    ROW("pg_indexes_size", "", INDEXES_SIZE, OID_INT8, STRICT, OID_REGCLASS),
    ROW("pg_database_size", "", DATABASE_SIZE, OID_INT8, STRICT, OID_NAME),
    ROW("pg_database_size", "_oid", DATABASE_SIZE, OID_INT8, STRICT, OID_OID),
    ROW("pg_size_pretty", "", SIZE_PRETTY, OID_TEXT, STRICT, OID_INT8),
    ROW("pg_size_pretty", "_numeric", SIZE_PRETTY_NUMERIC, OID_TEXT, STRICT, OID_NUMERIC),
    ROW("pg_tablespace_size", "", TABLESPACE_SIZE, OID_INT8, STRICT, OID_NAME),
    ROW("pg_tablespace_size", "_oid", TABLESPACE_SIZE, OID_INT8, STRICT, OID_OID),
    ROW("pg_encoding_to_char", "", ENCODING_TO_CHAR, OID_NAME, STRICT, OID_INT4),
    ROW("pg_char_to_encoding", "", CHAR_TO_ENCODING, OID_INT4, STRICT, OID_NAME),
    ROW("pg_client_encoding", "", CLIENT_ENCODING, OID_NAME, STRICT | SESSION),
    ROW("getdatabaseencoding", "", ENCODING, OID_NAME, STRICT),
    ROW("pg_is_in_recovery", "", NEVER, OID_BOOL, STRICT),
    ROW("pg_is_other_temp_schema", "", NEVER, OID_BOOL, STRICT, OID_OID),
    ROW("pg_my_temp_schema", "", MY_TEMP_SCHEMA, OID_OID, STRICT),
    ROW("pg_relation_is_publishable", "", TABLE_IS_OURS, OID_BOOL, STRICT, OID_REGCLASS),
    ROW("pg_relation_is_updatable", "", IS_UPDATABLE, OID_INT4, STRICT, OID_REGCLASS, OID_BOOL),
    ROW("pg_column_is_updatable", "", TABLE_IS_OURS, OID_BOOL, STRICT, OID_REGCLASS, OID_INT2,
        OID_BOOL),
    ROW("pg_postmaster_start_time", "", START_TIME, OID_TIMESTAMPTZ, STRICT | SESSION),
    ROW("pg_conf_load_time", "", START_TIME, OID_TIMESTAMPTZ, STRICT | SESSION),
    ROW("pg_tablespace_location", "", EMPTY, OID_TEXT, STRICT, OID_OID),
    ROW("current_setting", "", CURRENT_SETTING, OID_TEXT, STRICT | SESSION, OID_TEXT),
    ROW("current_setting", "_missing", CURRENT_SETTING, OID_TEXT, STRICT | SESSION, OID_TEXT,
        OID_BOOL),
    ROW("set_config", "", SET_CONFIG, OID_TEXT, VOLATILE, OID_TEXT, OID_TEXT, OID_BOOL),
    ROW("pg_sleep", "", SLEEP, OID_VOID, STRICT | VOLATILE, OID_FLOAT8),
    ROW("pg_get_serial_sequence", "", SERIAL_SEQUENCE, OID_TEXT, STRICT, OID_TEXT, OID_TEXT),
    ROW("to_regclass", "", TO_REGCLASS, OID_REGCLASS, STRICT, OID_TEXT),
    ROW("to_regtype", "", TO_REGTYPE, OID_REGTYPE, STRICT, OID_TEXT),
    ROW("to_regnamespace", "", TO_REGNAMESPACE, OID_REGNAMESPACE, STRICT, OID_TEXT),
    ROW("to_regrole", "", TO_REGROLE, OID_REGROLE, STRICT, OID_TEXT),
    ROW("to_regproc", "", TO_REGPROC, OID_REGPROC, STRICT, OID_TEXT),
    ADVISORY("pg_advisory_lock", ADVISORY_LOCK, OID_VOID),
    ADVISORY("pg_advisory_lock_shared", ADVISORY_LOCK_SHARED, OID_VOID),
    ADVISORY("pg_advisory_xact_lock", ADVISORY_XACT, OID_VOID),
    ADVISORY("pg_advisory_xact_lock_shared", ADVISORY_XACT_SHARED, OID_VOID),
    ADVISORY("pg_try_advisory_lock", ADVISORY_TRY, OID_BOOL),
    ADVISORY("pg_try_advisory_lock_shared", ADVISORY_TRY_SHARED, OID_BOOL),
    ADVISORY("pg_try_advisory_xact_lock", ADVISORY_TRY_XACT, OID_BOOL),
    ADVISORY("pg_try_advisory_xact_lock_shared", ADVISORY_TRY_XACT_SHARED, OID_BOOL),
    ADVISORY("pg_advisory_unlock", ADVISORY_UNLOCK, OID_BOOL),
    ADVISORY("pg_advisory_unlock_shared", ADVISORY_UNLOCK_SHARED, OID_BOOL),
    ROW("pg_advisory_unlock_all", "", ADVISORY_UNLOCK_ALL, OID_VOID, STRICT | VOLATILE),
    ROW("pg_cancel_backend", "", CANCEL_BACKEND, OID_BOOL, STRICT | VOLATILE, OID_INT4),
    ROW("pg_terminate_backend", "", TERMINATE_BACKEND, OID_BOOL, STRICT | VOLATILE, OID_INT4),
    ROW("pg_terminate_backend", "_timeout", TERMINATE_BACKEND, OID_BOOL, STRICT | VOLATILE,
        OID_INT4, OID_INT8),
    ROW("txid_current", "", TRANSACTION_NUMBER, OID_INT8, STRICT | VOLATILE),
    ROW("txid_current_if_assigned", "", TRANSACTION_NUMBER_IF_ANY, OID_INT8, STRICT | VOLATILE),
    ROW("age", "_xid", XID_AGE, OID_INT4, STRICT, OID_XID),
    ROW("mxid_age", "", XID_AGE, OID_INT4, STRICT, OID_XID),
    ROW("pg_blocking_pids", "", BLOCKING_PIDS, 1007, STRICT | VOLATILE, OID_INT4),
    ROW("pg_safe_snapshot_blocking_pids", "", EMPTY_ARRAY, 1007, STRICT | VOLATILE, OID_INT4),
    ROW("pg_describe_object", "", DESCRIBE_OBJECT, OID_TEXT, STRICT, OID_OID, OID_OID, OID_INT4),
    ROW("pg_relation_filenode", "", FILE_NODE, OID_OID, STRICT, OID_REGCLASS),
    ROW("pg_indexam_has_property", "", METHOD_PROPERTY, OID_BOOL, STRICT, OID_OID, OID_TEXT),
    ROW("pg_index_has_property", "", INDEX_PROPERTY, OID_BOOL, STRICT, OID_REGCLASS, OID_TEXT),
    ROW("pg_index_column_has_property", "", INDEX_COLUMN_PROPERTY, OID_BOOL, STRICT, OID_REGCLASS,
        OID_INT4, OID_TEXT),
    ROW("current_query", "", CURRENT_QUERY, OID_TEXT, VOLATILE | SESSION),
    ROW("inet_client_addr", "", CLIENT_ADDRESS, OID_INET, SESSION),
    ROW("inet_client_port", "", CLIENT_PORT, OID_INT4, SESSION),
    ROW("inet_server_addr", "", SERVER_ADDRESS, OID_INET, SESSION),
    ROW("inet_server_port", "", SERVER_PORT, OID_INT4, SESSION),
    ROW("pg_is_wal_replay_paused", "", NOT_IN_RECOVERY, OID_BOOL, STRICT | VOLATILE),
    ROW("pg_get_wal_replay_pause_state", "", NOT_IN_RECOVERY, OID_TEXT, STRICT | VOLATILE),
    ROW("pg_last_xact_replay_timestamp", "", NOTHING, OID_TIMESTAMPTZ, STRICT | VOLATILE),
    ROW("pg_encoding_max_length", "", ENCODING_LENGTH, OID_INT4, STRICT, OID_INT4),
    ROW("pg_jit_available", "", NEVER, OID_BOOL, STRICT | VOLATILE),
    ROW("pg_notification_queue_usage", "", ZERO_REAL, OID_FLOAT8, STRICT | VOLATILE),
    ROW("pg_trigger_depth", "", ZERO, OID_INT4, STRICT),
    ROW("pg_partition_root", "", NOTHING, OID_REGCLASS, STRICT, OID_REGCLASS),
    ROW("pg_size_bytes", "", SIZE_BYTES, OID_INT8, STRICT, OID_TEXT),
    ROW("row_security_active", "", NEVER, OID_BOOL, STRICT, OID_OID),
    ROW("row_security_active", "_t", NEVER, OID_BOOL, STRICT, OID_TEXT),
    ROW("has_parameter_privilege", "", ANY_PRIVILEGE, OID_BOOL, STRICT, OID_TEXT, OID_TEXT),
    ROW("has_parameter_privilege", "_n", ANY_PRIVILEGE, OID_BOOL, STRICT, OID_NAME, OID_TEXT,
        OID_TEXT),
    ROW("to_regprocedure", "", TO_REGPROCEDURE, OID_REGPROCEDURE, STRICT, OID_TEXT),
    ROW("to_regoper", "", TO_REGOPER, OID_REGOPER, STRICT, OID_TEXT),
    ROW("to_regoperator", "", TO_REGOPERATOR, OID_REGOPERATOR, STRICT, OID_TEXT),
    ROW("pg_stat_clear_snapshot", "", EMPTY, OID_VOID, VOLATILE),
    ROW("pg_stat_reset", "", EMPTY, OID_VOID, VOLATILE),
    ROW("pg_stat_get_live_tuples", "", LIVE_ROWS, OID_INT8, STRICT, OID_OID),
    COUNTER("pg_stat_get_numscans"),
    COUNTER("pg_stat_get_tuples_returned"),
    COUNTER("pg_stat_get_tuples_fetched"),
    COUNTER("pg_stat_get_tuples_inserted"),
    COUNTER("pg_stat_get_tuples_updated"),
    COUNTER("pg_stat_get_tuples_deleted"),
    COUNTER("pg_stat_get_tuples_hot_updated"),
    COUNTER("pg_stat_get_dead_tuples"),
    COUNTER("pg_stat_get_mod_since_analyze"),
    COUNTER("pg_stat_get_blocks_fetched"),
    COUNTER("pg_stat_get_blocks_hit"),
    COUNTER("pg_stat_get_vacuum_count"),
    COUNTER("pg_stat_get_autovacuum_count"),
    COUNTER("pg_stat_get_analyze_count"),
    COUNTER("pg_stat_get_autoanalyze_count"),
    PRIVILEGE("has_table_privilege", RELATION_PRIVILEGE),
    PRIVILEGE("has_any_column_privilege", RELATION_PRIVILEGE),
    PRIVILEGE("has_sequence_privilege", RELATION_PRIVILEGE),
    PRIVILEGE("has_schema_privilege", SCHEMA_PRIVILEGE),
    PRIVILEGE("has_database_privilege", ANY_PRIVILEGE),
    PRIVILEGE("has_function_privilege", ANY_PRIVILEGE),
    PRIVILEGE("has_type_privilege", ANY_PRIVILEGE),
    PRIVILEGE("has_tablespace_privilege", ANY_PRIVILEGE),
    PRIVILEGE("has_language_privilege", ANY_PRIVILEGE),
    PRIVILEGE("has_server_privilege", ANY_PRIVILEGE),
    PRIVILEGE("has_foreign_data_wrapper_privilege", ANY_PRIVILEGE),
    PRIVILEGE("pg_has_role", ANY_PRIVILEGE),
    ROW("has_column_privilege", "_t", COLUMN_PRIVILEGE, OID_BOOL, STRICT, OID_TEXT, OID_TEXT,
        OID_TEXT),
    ROW("has_column_privilege", "_o", COLUMN_PRIVILEGE, OID_BOOL, STRICT, OID_OID, OID_TEXT,
        OID_TEXT),
    ROW("has_column_privilege", "_oa", COLUMN_PRIVILEGE, OID_BOOL, STRICT, OID_OID, OID_INT2,
        OID_TEXT),
    ROW("acldefault", "", ACLDEFAULT, 1034, STRICT, OID_CHAR, OID_OID),
    ROW("current_schemas", "", CURRENT_SCHEMAS, 1003, STRICT, OID_BOOL),
};

const struct func_rows types__system_funcs = {rows, ARRAY_LEN(rows)};
