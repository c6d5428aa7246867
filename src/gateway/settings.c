/*
 * What SET, SHOW and RESET know: one table, a row for each setting.
 *
 * Most rows exist because drivers and tools send them when they connect; those marked FIXED can be
 * shown, not changed. Values are kept in the form in which SHOW prints them (settings_value.c).
 */
#include "gateway/gateway_int.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <strings.h>

/* KIND_PAGES: of 8 kB. KIND_REAL: .max 0 is as large as a double gets. */
enum setting_kind {
    KIND_BOOL,
    KIND_INT,
    KIND_REAL,
    KIND_MS,
    KIND_S,
    KIND_KB,
    KIND_PAGES,
    KIND_ENUM,
    KIND_TEXT
};
enum {
    REPORT = 1,
    FIXED = 2,
    HIDDEN = 4 /* not in pg_settings and SHOW ALL */,
    PLAIN = 8 /* no unit */
};

struct setting {
    const char *name, *initial;
    enum setting_kind kind;
    int flags;
    int64_t min, max;
    const char *choices; /* KIND_ENUM: "a|b|c" */
    /* KIND_TEXT: checks, and may replace *value by its usual spelling (mem_alloc'd) */
    struct error *(*check)(struct session *s, char **value);
    const char *description;
};

/* ---- checks ------------------------------------------------------------------------------- */

static struct error *replace(char **value, const char *with)
{
    mem_free(*value);
    *value = mem_strdup(with);
    return NULL;
}

static struct error *invalid(const char *name, const char *value)
{
    return error_new("22023", "invalid value for parameter \"%s\": \"%s\"", name, value);
}

static const struct encoding *sql_ascii(void)
{
    return encoding_by_number(0);
}

static struct error *check_encoding(struct session *s, char **value)
{
    (void)s;
    const struct encoding *e = encoding_find(*value, strlen(*value));
    if (!e)
        return invalid("client_encoding", *value);
    if (encoding_is_utf8(e) || e == sql_ascii() || encoding_is_known(e))
        return replace(value, encoding_name(e));
    return error_hint(
        error_new(E_UNSUPPORTED, "client_encoding %s is not supported", encoding_name(e)),
        "UTF8, those of one byte (LATIN1, WIN1252, ..), EUC_CN, EUC_JP, EUC_KR, GBK, UHC and SJIS "
        "are.");
}

/* NULL: nothing is to be recoded. With SQL_ASCII nothing is, either. */
static const struct encoding *encoding_of(const char *name)
{
    const struct encoding *e = encoding_find(name, strlen(name));
    return !e || encoding_is_utf8(e) || e == sql_ascii() ? NULL : e;
}

static struct error *check_date_style(struct session *s, char **value)
{
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct style style = s->style;
    const char *wrong = style_set_dates(&style, *value, &a);
    if (wrong)
        return error_detail(invalid("DateStyle", *value), "%s", wrong);
    style_print_dates(&style, &text);
    return replace(value, text.data);
}

static struct error *check_time_zone(struct session *s, char **value)
{
    (void)s;
    const struct zone *z = zone_for_setting(*value);
    if (z)
        return replace(value, zone_name(z));
    return error_hint(invalid("TimeZone", *value),
                      "Regions are named as in the system's time zone database: Europe/Berlin.");
}

static struct error *check_search_path(struct session *s, char **value)
{
    _cleanup_(arena_done) struct arena a = {0};
    const char *const *names;
    int n;
    (void)s;
    if (sql_search_path(*value, &a, &names, &n))
        return NULL;
    return error_detail(invalid("search_path", *value), "List syntax is invalid.");
}

static struct error *check_strings(struct session *s, char **value)
{
    if (!strcmp(*value, "on"))
        return NULL;
    return error_hint(error_new(E_UNSUPPORTED, "standard_conforming_strings cannot be turned off"),
                      "Write E'..' for strings with backslash escapes.");
}

static struct error *check_array_nulls(struct session *s, char **value)
{
    (void)s;
    if (!strcmp(*value, "on"))
        return NULL;
    return error_hint(error_new(E_UNSUPPORTED, "array_nulls cannot be turned off"),
                      "Write \"NULL\" for the word in an array.");
}

static struct error *check_oids(struct session *s, char **value)
{
    (void)s;
    return !strcmp(*value, "off")
               ? NULL
               : error_new(E_UNSUPPORTED, "tables declared WITH OIDS are not supported");
}

static struct error *check_user(struct session *s, char **value)
{
    if (!strcasecmp(*value, "default") || !strcasecmp(*value, "none") ||
        (s->user && !strcmp(*value, s->user)))
        return NULL;
    return error_hint(error_new(E_UNSUPPORTED, "cannot change to user \"%s\"", *value),
                      "Roles do not exist yet: connect with that name instead.");
}

/* Printable ASCII only, as PostgreSQL has it. */
static struct error *check_application(struct session *s, char **value)
{
    for (char *p = *value; *p; p++)
        if (*p < 32 || *p > 126)
            *p = '?';
    if (strlen(*value) > 63)
        (*value)[63] = 0;
    return NULL;
}

/* ---- the table, by name ------------------------------------------------------------------- */

#define ISOLATIONS "serializable|repeatable read|read committed|read uncommitted"
#define LEVELS "debug5|debug4|debug3|debug2|debug1|log|notice|warning|error"
#define LOG_LEVELS "debug5|debug4|debug3|debug2|debug1|info|notice|warning|error|log|fatal|panic"
#define MAX_MS INT32_MAX
/* What tunes PostgreSQL's planner, workers, log and files: it is checked, kept and shown. */
#define ACCEPTED "Accepted for compatibility."

static const struct setting table[] = {
    {"application_name", "", KIND_TEXT, REPORT, .check = check_application,
     .description = "Sets the application name to be reported in logs."},
    {"array_nulls", "on", KIND_BOOL, .check = check_array_nulls,
     .description = "Enables input of NULL elements in arrays."},
    {"backslash_quote", "safe_encoding", KIND_ENUM, .choices = "safe_encoding|on|off",
     .description = ACCEPTED},
    {"block_size", "8192", KIND_INT, FIXED, .min = 8192, .max = 8192,
     .description = "Shows the size of a disk block, in which sizes of tables are told."},
    {"bytea_output", "hex", KIND_ENUM, .choices = "escape|hex",
     .description = "Sets the output format for bytea."},
    {"check_function_bodies", "on", KIND_BOOL, .description = ACCEPTED},
    {"client_connection_check_interval", "0", KIND_MS, .min = 0, .max = MAX_MS,
     .description = ACCEPTED},
    {"client_encoding", "UTF8", KIND_TEXT, REPORT, .check = check_encoding,
     .description = "The client's character set encoding."},
    {"client_min_messages", "notice", KIND_ENUM, .choices = LEVELS,
     .description = "Sets the message levels that are sent to the client."},
    {"commit_delay", "0", KIND_INT, .min = 0, .max = 100000, .description = ACCEPTED},
    {"commit_siblings", "5", KIND_INT, .min = 0, .max = 1000, .description = ACCEPTED},
    {"compute_query_id", "auto", KIND_ENUM, .choices = "auto|regress|on|off",
     .description = ACCEPTED},
    {"constraint_exclusion", "partition", KIND_ENUM, .choices = "partition|on|off",
     .description = ACCEPTED},
    {"cpu_index_tuple_cost", "0.005", KIND_REAL, .min = 0, .max = 0, .description = ACCEPTED},
    {"cpu_operator_cost", "0.0025", KIND_REAL, .min = 0, .max = 0, .description = ACCEPTED},
    {"cpu_tuple_cost", "0.01", KIND_REAL, .min = 0, .max = 0, .description = ACCEPTED},
    {"cursor_tuple_fraction", "0.1", KIND_REAL, .min = 0, .max = 1, .description = ACCEPTED},
    {"DateStyle", "ISO, MDY", KIND_TEXT, REPORT, .check = check_date_style,
     .description = "Sets the display format for date and time values."},
    {"deadlock_timeout", "1000", KIND_MS, .min = 1, .max = MAX_MS, .description = ACCEPTED},
    {"debug_pretty_print", "on", KIND_BOOL, .description = ACCEPTED},
    {"debug_print_parse", "off", KIND_BOOL, .description = ACCEPTED},
    {"debug_print_plan", "off", KIND_BOOL, .description = ACCEPTED},
    {"debug_print_rewritten", "off", KIND_BOOL, .description = ACCEPTED},
    {"default_statistics_target", "100", KIND_INT, .min = 1, .max = 10000, .description = ACCEPTED},
    {"default_table_access_method", "heap", KIND_TEXT, .description = ACCEPTED},
    {"default_tablespace", "", KIND_TEXT, .description = ACCEPTED},
    {"default_text_search_config", "pg_catalog.simple", KIND_TEXT, .description = ACCEPTED},
    {"default_toast_compression", "pglz", KIND_ENUM, .choices = "pglz|lz4",
     .description = ACCEPTED},
    {"default_transaction_deferrable", "off", KIND_BOOL, .description = ACCEPTED},
    {"default_transaction_isolation", "read committed", KIND_ENUM, .choices = ISOLATIONS,
     .description = "Sets the transaction isolation level of each new transaction."},
    {"default_transaction_read_only", "off", KIND_BOOL, REPORT,
     .description = "Sets the default read-only status of new transactions."},
    {"default_with_oids", "off", KIND_BOOL, HIDDEN, .check = check_oids, .description = ACCEPTED},
    {"effective_cache_size", "524288", KIND_PAGES, .min = 1, .max = INT32_MAX,
     .description = ACCEPTED},
    {"effective_io_concurrency", "1", KIND_INT, .min = 0, .max = 1000, .description = ACCEPTED},
    {"enable_async_append", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_bitmapscan", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_gathermerge", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_hashagg", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_hashjoin", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_incremental_sort", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_indexonlyscan", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_indexscan", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_material", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_memoize", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_mergejoin", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_nestloop", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_parallel_append", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_parallel_hash", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_partition_pruning", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_partitionwise_aggregate", "off", KIND_BOOL, .description = ACCEPTED},
    {"enable_partitionwise_join", "off", KIND_BOOL, .description = ACCEPTED},
    {"enable_seqscan", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_sort", "on", KIND_BOOL, .description = ACCEPTED},
    {"enable_tidscan", "on", KIND_BOOL, .description = ACCEPTED},
    {"escape_string_warning", "on", KIND_BOOL, .description = ACCEPTED},
    {"extra_float_digits", "1", KIND_INT, .min = -15, .max = 3,
     .description = "Sets the number of digits displayed for floating-point values."},
    {"force_parallel_mode", "off", KIND_ENUM, .choices = "off|on|regress", .description = ACCEPTED},
    {"from_collapse_limit", "8", KIND_INT, .min = 1, .max = INT32_MAX, .description = ACCEPTED},
    {"geqo", "on", KIND_BOOL, .description = ACCEPTED},
    {"geqo_effort", "5", KIND_INT, .min = 1, .max = 10, .description = ACCEPTED},
    {"geqo_generations", "0", KIND_INT, .min = 0, .max = INT32_MAX, .description = ACCEPTED},
    {"geqo_pool_size", "0", KIND_INT, .min = 0, .max = INT32_MAX, .description = ACCEPTED},
    {"geqo_seed", "0", KIND_REAL, .min = 0, .max = 1, .description = ACCEPTED},
    {"geqo_threshold", "12", KIND_INT, .min = 2, .max = INT32_MAX, .description = ACCEPTED},
    {"gin_fuzzy_search_limit", "0", KIND_INT, .min = 0, .max = INT32_MAX, .description = ACCEPTED},
    {"gin_pending_list_limit", "4096", KIND_KB, .min = 64, .max = INT32_MAX,
     .description = ACCEPTED},
    {"hash_mem_multiplier", "2", KIND_REAL, .min = 1, .max = 1000, .description = ACCEPTED},
    {"idle_in_transaction_session_timeout", "0", KIND_MS, .max = MAX_MS,
     .description = "Sets the maximum allowed idle time between queries in a transaction."},
    {"idle_session_timeout", "0", KIND_MS, .max = MAX_MS,
     .description = "Sets the maximum allowed idle time between queries outside of a transaction."},
    {"in_hot_standby", "off", KIND_BOOL, REPORT | FIXED,
     .description = "Shows whether hot standby is currently active."},
    {"integer_datetimes", "on", KIND_BOOL, REPORT | FIXED,
     .description = "Shows whether datetimes are integer based."},
    {"IntervalStyle", "postgres", KIND_ENUM, REPORT,
     .choices = "postgres|postgres_verbose|sql_standard|iso_8601",
     .description = "Sets the display format for interval values."},
    {"is_superuser", "on", KIND_BOOL, REPORT | FIXED | HIDDEN,
     .description = "Shows whether the current user is a superuser."},
    {"jit", "off", KIND_BOOL, .description = ACCEPTED},
    {"jit_above_cost", "100000", KIND_REAL, .min = -1, .max = 0, .description = ACCEPTED},
    {"jit_expressions", "on", KIND_BOOL, .description = ACCEPTED},
    {"jit_inline_above_cost", "500000", KIND_REAL, .min = -1, .max = 0, .description = ACCEPTED},
    {"jit_optimize_above_cost", "500000", KIND_REAL, .min = -1, .max = 0, .description = ACCEPTED},
    {"jit_tuple_deforming", "on", KIND_BOOL, .description = ACCEPTED},
    {"join_collapse_limit", "8", KIND_INT, .min = 1, .max = INT32_MAX, .description = ACCEPTED},
    {"lc_collate", "C", KIND_TEXT, FIXED, .description = "Shows the collation order locale."},
    {"lc_ctype", "C", KIND_TEXT, FIXED,
     .description = "Shows the character classification and case conversion locale."},
    {"lc_messages", "C", KIND_TEXT, .description = ACCEPTED},
    {"lc_monetary", "C", KIND_TEXT, .description = ACCEPTED},
    {"lc_numeric", "C", KIND_TEXT, .description = ACCEPTED},
    {"lc_time", "C", KIND_TEXT, .description = ACCEPTED},
    {"lo_compat_privileges", "off", KIND_BOOL, .description = ACCEPTED},
    {"lock_timeout", "0", KIND_MS, .max = MAX_MS,
     .description = "Sets the maximum allowed duration of any wait for an advisory lock."},
    {"log_duration", "off", KIND_BOOL, .description = ACCEPTED},
    {"log_error_verbosity", "default", KIND_ENUM, .choices = "terse|default|verbose",
     .description = ACCEPTED},
    {"log_executor_stats", "off", KIND_BOOL, .description = ACCEPTED},
    {"log_lock_waits", "off", KIND_BOOL, .description = ACCEPTED},
    {"log_min_duration_sample", "-1", KIND_MS, .min = -1, .max = MAX_MS, .description = ACCEPTED},
    {"log_min_duration_statement", "-1", KIND_MS, .min = -1, .max = MAX_MS,
     .description = ACCEPTED},
    {"log_min_error_statement", "error", KIND_ENUM, .choices = LOG_LEVELS, .description = ACCEPTED},
    {"log_min_messages", "warning", KIND_ENUM, .choices = LOG_LEVELS, .description = ACCEPTED},
    {"log_parser_stats", "off", KIND_BOOL, .description = ACCEPTED},
    {"log_planner_stats", "off", KIND_BOOL, .description = ACCEPTED},
    {"log_replication_commands", "off", KIND_BOOL, .description = ACCEPTED},
    {"log_statement", "none", KIND_ENUM, .choices = "none|ddl|mod|all", .description = ACCEPTED},
    {"log_statement_sample_rate", "1", KIND_REAL, .min = 0, .max = 1, .description = ACCEPTED},
    {"log_statement_stats", "off", KIND_BOOL, .description = ACCEPTED},
    {"log_transaction_sample_rate", "0", KIND_REAL, .min = 0, .max = 1, .description = ACCEPTED},
    {"logical_decoding_work_mem", "65536", KIND_KB, .min = 64, .max = INT32_MAX,
     .description = ACCEPTED},
    {"maintenance_io_concurrency", "10", KIND_INT, .min = 0, .max = 1000, .description = ACCEPTED},
    {"maintenance_work_mem", "65536", KIND_KB, .min = 1024, .max = INT32_MAX,
     .description = ACCEPTED},
    {"max_connections", "5000", KIND_INT, FIXED, .max = INT32_MAX,
     .description = "Shows the maximum number of concurrent connections of this server."},
    {"max_function_args", "100", KIND_INT, FIXED, .max = 100,
     .description = "Shows the maximum number of function arguments."},
    {"max_identifier_length", "63", KIND_INT, FIXED, .max = 63,
     .description = "Shows the maximum identifier length."},
    {"max_index_keys", "32", KIND_INT, FIXED, .max = 32,
     .description = "Shows the maximum number of index keys."},
    {"max_parallel_maintenance_workers", "2", KIND_INT, .min = 0, .max = 1024,
     .description = ACCEPTED},
    {"max_parallel_workers", "8", KIND_INT, .min = 0, .max = 1024, .description = ACCEPTED},
    {"max_parallel_workers_per_gather", "2", KIND_INT, .min = 0, .max = 1024,
     .description = ACCEPTED},
    {"max_prepared_transactions", "0", KIND_INT, FIXED, .max = 262143,
     .description = "Shows the maximum number of prepared transactions: there are none."},
    {"max_stack_depth", "2048", KIND_KB, .min = 100, .max = INT32_MAX, .description = ACCEPTED},
    {"min_parallel_index_scan_size", "64", KIND_PAGES, .min = 0, .max = 715827882,
     .description = ACCEPTED},
    {"min_parallel_table_scan_size", "1024", KIND_PAGES, .min = 0, .max = 715827882,
     .description = ACCEPTED},
    {"parallel_leader_participation", "on", KIND_BOOL, .description = ACCEPTED},
    {"parallel_setup_cost", "1000", KIND_REAL, .min = 0, .max = 0, .description = ACCEPTED},
    {"parallel_tuple_cost", "0.1", KIND_REAL, .min = 0, .max = 0, .description = ACCEPTED},
    {"password_encryption", "scram-sha-256", KIND_ENUM, .choices = "md5|scram-sha-256",
     .description = ACCEPTED},
    {"plan_cache_mode", "auto", KIND_ENUM, .choices = "auto|force_generic_plan|force_custom_plan",
     .description = ACCEPTED},
    {"quote_all_identifiers", "off", KIND_BOOL, .description = ACCEPTED},
    {"random_page_cost", "4", KIND_REAL, .min = 0, .max = 0, .description = ACCEPTED},
    {"role", "none", KIND_TEXT, HIDDEN, .check = check_user,
     .description = "Sets the current role."},
    {"row_security", "on", KIND_BOOL, .description = ACCEPTED},
    {"search_path", "\"$user\", public", KIND_TEXT, .check = check_search_path,
     .description = "Sets the schema search order for names that are not schema-qualified."},
    {"seq_page_cost", "1", KIND_REAL, .min = 0, .max = 0, .description = ACCEPTED},
    {"server_encoding", "UTF8", KIND_TEXT, REPORT | FIXED,
     .description = "Shows the server (database) character set encoding."},
    {"server_version", "15.0 (MiniSQL " MINISQL_VERSION ")", KIND_TEXT, REPORT | FIXED,
     .description = "Shows the server version."},
    {"server_version_num", "150000", KIND_INT, FIXED, .max = INT32_MAX,
     .description = "Shows the server version as an integer."},
    {"session_authorization", NULL, KIND_TEXT, REPORT | HIDDEN, .check = check_user,
     .description = "Shows the session user name."},
    {"session_replication_role", "origin", KIND_ENUM, .choices = "origin|replica|local",
     .description = ACCEPTED},
    {"ssl", "off", KIND_BOOL, FIXED, .description = "Shows whether TLS is on."},
    {"standard_conforming_strings", "on", KIND_BOOL, REPORT, .check = check_strings,
     .description = "Causes '...' strings to treat backslashes literally."},
    {"statement_timeout", "0", KIND_MS, .max = MAX_MS,
     .description = "Sets the maximum allowed duration of any statement."},
    {"stats_fetch_consistency", "cache", KIND_ENUM, .choices = "none|cache|snapshot",
     .description = ACCEPTED},
    {"superuser_reserved_connections", "0", KIND_INT, FIXED, .max = 262143,
     .description = "Shows the number of connections reserved for superusers: there are none."},
    {"synchronize_seqscans", "on", KIND_BOOL, .description = ACCEPTED},
    {"synchronous_commit", "on", KIND_ENUM, .choices = "on|remote_apply|remote_write|local|off",
     .description = "Accepted for compatibility: commits are always durable on all copies."},
    {"tcp_keepalives_count", "0", KIND_INT, .min = 0, .max = INT32_MAX, .description = ACCEPTED},
    {"tcp_keepalives_idle", "0", KIND_S, PLAIN, .min = 0, .max = INT32_MAX,
     .description = ACCEPTED},
    {"tcp_keepalives_interval", "0", KIND_S, PLAIN, .min = 0, .max = INT32_MAX,
     .description = ACCEPTED},
    {"tcp_user_timeout", "0", KIND_MS, PLAIN, .min = 0, .max = MAX_MS, .description = ACCEPTED},
    {"temp_buffers", "1024", KIND_PAGES, .min = 100, .max = 1073741823, .description = ACCEPTED},
    {"temp_tablespaces", "", KIND_TEXT, .description = ACCEPTED},
    {"TimeZone", "UTC", KIND_TEXT, REPORT, .check = check_time_zone,
     .description = "Sets the time zone for displaying and interpreting time stamps."},
    {"track_activities", "on", KIND_BOOL, FIXED,
     .description = "Shows whether sessions tell what they run."},
    {"track_activity_query_size", "1024", KIND_INT, FIXED, .max = 1024,
     .description = "Shows how many bytes of a statement sessions tell."},
    {"track_counts", "off", KIND_BOOL, FIXED,
     .description = "Shows whether the use of tables is counted."},
    {"track_functions", "none", KIND_ENUM, .choices = "none|pl|all", .description = ACCEPTED},
    {"track_io_timing", "off", KIND_BOOL, .description = ACCEPTED},
    {"track_wal_io_timing", "off", KIND_BOOL, .description = ACCEPTED},
    {"transaction_deferrable", NULL, KIND_BOOL, .description = ACCEPTED},
    {"transaction_isolation", NULL, KIND_ENUM, .choices = ISOLATIONS,
     .description = "Sets the current transaction's isolation level."},
    {"transaction_read_only", NULL, KIND_BOOL,
     .description = "Sets the current transaction's read-only status."},
    {"transform_null_equals", "off", KIND_BOOL, FIXED, .description = ACCEPTED},
    {"update_process_title", "on", KIND_BOOL, .description = ACCEPTED},
    {"vacuum_cost_delay", "0", KIND_MS, .min = 0, .max = 100, .description = ACCEPTED},
    {"vacuum_cost_limit", "200", KIND_INT, .min = 1, .max = 10000, .description = ACCEPTED},
    {"vacuum_cost_page_dirty", "20", KIND_INT, .min = 0, .max = 10000, .description = ACCEPTED},
    {"vacuum_cost_page_hit", "1", KIND_INT, .min = 0, .max = 10000, .description = ACCEPTED},
    {"vacuum_cost_page_miss", "2", KIND_INT, .min = 0, .max = 10000, .description = ACCEPTED},
    {"vacuum_failsafe_age", "1600000000", KIND_INT, .min = 0, .max = 2100000000,
     .description = ACCEPTED},
    {"vacuum_freeze_min_age", "50000000", KIND_INT, .min = 0, .max = 1000000000,
     .description = ACCEPTED},
    {"vacuum_freeze_table_age", "150000000", KIND_INT, .min = 0, .max = 2000000000,
     .description = ACCEPTED},
    {"vacuum_multixact_failsafe_age", "1600000000", KIND_INT, .min = 0, .max = 2100000000,
     .description = ACCEPTED},
    {"vacuum_multixact_freeze_min_age", "5000000", KIND_INT, .min = 0, .max = 1000000000,
     .description = ACCEPTED},
    {"vacuum_multixact_freeze_table_age", "150000000", KIND_INT, .min = 0, .max = 2000000000,
     .description = ACCEPTED},
    {"wal_compression", "off", KIND_ENUM, .choices = "pglz|lz4|zstd|on|off",
     .description = ACCEPTED},
    {"wal_sender_timeout", "60000", KIND_MS, .min = 0, .max = MAX_MS, .description = ACCEPTED},
    {"wal_skip_threshold", "2048", KIND_KB, .min = 0, .max = INT32_MAX, .description = ACCEPTED},
    {"work_mem", "65536", KIND_KB, .min = 64, .max = INT32_MAX,
     .description = "Sets the memory of a statement's joins and groups; more goes to disk."},
    {"xmlbinary", "base64", KIND_ENUM, .choices = "base64|hex", .description = ACCEPTED},
    {"xmloption", "content", KIND_ENUM, .choices = "content|document", .description = ACCEPTED},
};
enum { N_SETTINGS = ARRAY_LEN(table) };

static int find(const char *name)
{
    int low = 0, high = N_SETTINGS;
    while (low < high) {
        int middle = (low + high) / 2, order = strcasecmp(table[middle].name, name);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

/* Of what the session made up, too: N_SETTINGS and more. */
static int find_any(const struct session *s, const char *name)
{
    int i = find(name);
    int custom = i < 0 ? settings__find_custom(&s->settings, name) : -1;
    return custom < 0 ? i : N_SETTINGS + custom;
}

/* ---- values ------------------------------------------------------------------------------- */

void settings__init(struct settings *t)
{
    *t = (struct settings){.min_messages = NOTICE_NOTICE};
}

/* Settings that are the session's state, or the server's. NULL: none of them. */
static const char *live_value(struct session *s, const struct setting *row, char text[16])
{
    bool outside = transaction__outside(s); /* as the next one would be */
    if (!strcmp(row->name, "transaction_read_only"))
        return (outside ? s->settings.read_only : s->read_only) ? "on" : "off";
    if (!strcmp(row->name, "transaction_deferrable"))
        return (outside ? s->settings.deferrable : s->deferrable) ? "on" : "off";
    if (!strcmp(row->name, "session_authorization"))
        return s->user;
    if (!strcmp(row->name, "max_connections")) {
        snprintf(text, 16, "%u", s->gateway->o.max_connections);
        return text;
    }
    return NULL;
}

static const char *value_of(struct session *s, int i, char text[16])
{
    const char *set = settings__text(&s->settings, i);
    if (i >= N_SETTINGS)
        return set ? set : "";
    const struct setting *row = &table[i];
    const char *live = live_value(s, row, text);
    if (live)
        return live;
    if (!strcmp(row->name, "transaction_isolation"))
        return s->isolation ? s->isolation
                            : value_of(s, find("default_transaction_isolation"), text);
    return set ? set : row->initial;
}

const char *settings__isolation(struct session *s)
{
    char unused[16];
    return value_of(s, find("transaction_isolation"), unused);
}

static const char *ms_text(int64_t ms, char text[32])
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
    for (size_t i = 0; ms && i < ARRAY_LEN(units); i++)
        if (ms % units[i].ms == 0) {
            snprintf(text, 32, "%lld%s", (long long)(ms / units[i].ms), units[i].unit);
            return text;
        }
    return "0";
}

static const char *kb_text(int64_t kb, char text[32])
{
    bool gb = kb % (1024 * 1024) == 0, mb = kb % 1024 == 0;
    snprintf(text, 32, "%lld%s",
             (long long)(kb / (gb   ? 1024 * 1024
                               : mb ? 1024
                                    : 1)),
             gb   ? "GB"
             : mb ? "MB"
                  : "kB");
    return text;
}

/* A number with a unit, as a number of the setting's own unit. */
static bool parse_number(enum setting_kind kind, const char *value, int64_t *ret)
{
    static const struct {
        enum setting_kind kind;
        const char *unit;
        double factor;
    } units[] = {{KIND_MS, "us", 0.001},
                 {KIND_MS, "ms", 1},
                 {KIND_MS, "s", 1000},
                 {KIND_MS, "min", 60000},
                 {KIND_MS, "h", 3600000},
                 {KIND_MS, "d", 86400000},
                 {KIND_S, "us", 0.000001},
                 {KIND_S, "ms", 0.001},
                 {KIND_S, "s", 1},
                 {KIND_S, "min", 60},
                 {KIND_S, "h", 3600},
                 {KIND_S, "d", 86400},
                 {KIND_KB, "B", 1.0 / 1024},
                 {KIND_KB, "kB", 1},
                 {KIND_KB, "MB", 1024},
                 {KIND_KB, "GB", 1024 * 1024},
                 {KIND_KB, "TB", 1024.0 * 1024 * 1024},
                 {KIND_PAGES, "B", 1.0 / 8192},
                 {KIND_PAGES, "kB", 1.0 / 8},
                 {KIND_PAGES, "MB", 128},
                 {KIND_PAGES, "GB", 128 * 1024},
                 {KIND_PAGES, "TB", 128.0 * 1024 * 1024}};
    char *end;
    errno = 0;
    double v = strtod(value, &end);
    if (end == value || errno || !(v > -1e15 && v < 1e15))
        return false;
    end += strspn(end, " ");
    double factor = *end ? 0 : 1;
    for (size_t i = 0; *end && i < ARRAY_LEN(units); i++)
        if (units[i].kind == kind && !strcmp(units[i].unit, end))
            factor = units[i].factor;
    v *= factor;
    *ret = (int64_t)(v < 0 ? v - 0.5 : v + 0.5);
    return factor != 0;
}

static const char *unit_of(enum setting_kind kind)
{
    static const char *const units[] = {
        [KIND_MS] = " ms", [KIND_S] = " s", [KIND_KB] = " kB", [KIND_PAGES] = " 8kB"};
    return (size_t)kind < ARRAY_LEN(units) && units[kind] ? units[kind] : "";
}

static struct error *check_real(const struct setting *row, char **value)
{
    char *end, text[32];
    double v = strtod(*value, &end), max = row->max ? (double)row->max : DBL_MAX;
    if (end == *value || isnan(v) || *(end + strspn(end, " ")))
        return invalid(row->name, *value);
    if (v < (double)row->min || v > max)
        return error_new("22023", "%g is outside the valid range for parameter \"%s\" (%g .. %g)",
                         v, row->name, (double)row->min, max);
    snprintf(text, sizeof(text), "%g", v);
    return replace(value, text);
}

static const char *number_text(const struct setting *row, int64_t v, char text[32])
{
    enum setting_kind kind = v <= 0 || row->flags & PLAIN ? KIND_INT : row->kind;
    if (kind == KIND_MS || kind == KIND_S)
        return ms_text(kind == KIND_S ? v * 1000 : v, text);
    if (kind == KIND_KB || kind == KIND_PAGES)
        return kb_text(kind == KIND_PAGES ? v * 8 : v, text);
    snprintf(text, 32, "%lld", (long long)v);
    return text;
}

static struct error *check_number(const struct setting *row, char **value)
{
    int64_t v;
    if (!parse_number(row->kind, *value, &v))
        return invalid(row->name, *value);
    if (v < row->min || v > row->max)
        return error_new(
            "22023", "%lld%s is outside the valid range for parameter \"%s\" (%lld .. %lld)",
            (long long)v, unit_of(row->kind), row->name, (long long)row->min, (long long)row->max);
    char text[32];
    return replace(value, number_text(row, v, text));
}

static struct error *check_bool(const struct setting *row, char **value)
{
    static const char *const words[] = {"on", "true", "yes", "1", "off", "false", "no", "0"};
    size_t n = strlen(*value);
    for (size_t i = 0; n && i < ARRAY_LEN(words); i++)
        if (!strncasecmp(*value, words[i], n) && (n > 1 || words[i][0] != 'o'))
            return replace(value, i < 4 ? "on" : "off");
    return error_new("22023", "parameter \"%s\" requires a Boolean value", row->name);
}

static struct error *check_enum(const struct setting *row, char **value)
{
    size_t n = strlen(*value);
    for (const char *p = row->choices; *p;) {
        size_t len = strcspn(p, "|");
        if (len == n && !strncasecmp(p, *value, n)) {
            _cleanup_(mem_freep) char *choice = mem_strndup(p, len);
            return replace(value, choice);
        }
        p += len + (p[len] == '|');
    }
    _cleanup_(buf_done) struct buf list = {0};
    for (const char *p = row->choices; *p; p++)
        buf_puts(&list, *p == '|' ? ", " : (char[]){*p, 0});
    return error_hint(invalid(row->name, *value), "Available values: %s.", list.data);
}

/* *value in the form in which SHOW prints it. */
static struct error *check(struct session *s, const struct setting *row, char **value)
{
    switch (row->kind) {
    case KIND_BOOL:
        TRY(check_bool(row, value));
        break;
    case KIND_REAL:
        TRY(check_real(row, value));
        break;
    case KIND_INT:
    case KIND_MS:
    case KIND_S:
    case KIND_KB:
    case KIND_PAGES:
        TRY(check_number(row, value));
        break;
    case KIND_ENUM:
        TRY(check_enum(row, value));
        break;
    case KIND_TEXT:
        break;
    }
    return row->check ? row->check(s, value) : NULL;
}

/* ---- changing ----------------------------------------------------------------------------- */

static int64_t number(struct session *s, const char *name)
{
    char text[16];
    int i = find(name);
    int64_t v = 0;
    const char *value = value_of(s, i, text);
    return parse_number(table[i].kind, value, &v) ? v : 0;
}

static enum notice_level level_of(const char *name)
{
    static const struct {
        const char *name;
        enum notice_level level;
    } levels[] = {{"log", NOTICE_LOG},
                  {"notice", NOTICE_NOTICE},
                  {"warning", NOTICE_WARNING},
                  {"error", NOTICE_ERROR}};
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (!strcmp(levels[i].name, name))
            return levels[i].level;
    return NOTICE_DEBUG;
}

const char *settings__names(struct session *s)
{
    if (s->temp_generation != exec_temp_generation(s->exec))
        settings__derive(s);
    return s->names;
}

bool settings__timed(const struct settings *t)
{
    return t->statement_timeout_ms || t->idle_txn_timeout_ms || t->idle_timeout_ms;
}

static void report_changes(struct session *s)
{
    char text[16];
    size_t at = s->out.len;
    for (int i = 0; s->started && i < N_SETTINGS; i++) {
        const char *value = table[i].flags & REPORT ? value_of(s, i, text) : NULL;
        if (value && settings__news(&s->settings, i, value))
            pgwire_put_parameter(&s->out, table[i].name, value);
    }
    recode__sent(s, at);
}

/* What is looked at often, out of the texts. */
void settings__derive(struct session *s)
{
    struct settings *t = &s->settings;
    char text[16];
    bool timed = settings__timed(t);
    t->statement_timeout_ms = (uint32_t)number(s, "statement_timeout");
    t->idle_txn_timeout_ms = (uint32_t)number(s, "idle_in_transaction_session_timeout");
    t->idle_timeout_ms = (uint32_t)number(s, "idle_session_timeout");
    activity__name(s, value_of(s, find("application_name"), text));
    mem_free(s->names);
    const char *zone = value_of(s, find("TimeZone"), text);
    _cleanup_(arena_done) struct arena a = {0};
    s->style = (struct style){.zone = strcmp(zone, "UTC") == 0 ? NULL : zone_for_setting(zone)};
    style_set_dates(&s->style, value_of(s, find("DateStyle"), text), &a);
    style_set_intervals(&s->style, value_of(s, find("IntervalStyle"), text));
    s->style.escape = strcmp(value_of(s, find("bytea_output"), text), "escape") == 0;
    style_set_float_digits(&s->style, (int)number(s, "extra_float_digits"));
    s->names = sql_names(s->database, s->user, value_of(s, find("search_path"), text), &s->style,
                         s->exec ? exec_temp_text(s->exec) : NULL);
    s->names_len = strlen(s->names);
    s->temp_generation = s->exec ? exec_temp_generation(s->exec) : 0;
    t->min_messages = (uint8_t)level_of(value_of(s, find("client_min_messages"), text));
    t->read_only = !strcmp(value_of(s, find("default_transaction_read_only"), text), "on");
    t->deferrable = !strcmp(value_of(s, find("default_transaction_deferrable"), text), "on");
    s->encoding = s->internal ? NULL : encoding_of(value_of(s, find("client_encoding"), text));
    bool now_timed = settings__timed(t);
    if (now_timed && !timed)
        pool__timed(s->gateway, 1);
    if (!now_timed && timed)
        pool__timed(s->gateway, -1);
    if (s->exec && !s->internal)
        exec_set_unchecked(s->exec,
                           !strcmp(value_of(s, find("session_replication_role"), text), "replica"));
    if (s->exec)
        exec_set_lock_timeout(s->exec, (uint64_t)number(s, "lock_timeout"));
    if (s->exec)
        exec_set_memory(s->exec, settings__text(t, find("work_mem"))
                                     ? (size_t)number(s, "work_mem") * 1024
                                     : 0);
    report_changes(s);
}

/* Takes `value`; NULL: the default. */
static void assign(struct session *s, int i, char *value, bool local)
{
    settings__assign(&s->settings, i, value, local, s->exec ? exec_savepoints(s->exec) : 0);
    settings__derive(s);
}

/* What this transaction's mode may be changed to, and when. */
static struct error *check_mode(struct session *s, const char *name, const char *value)
{
    char text[16];
    bool changes = strcmp(value_of(s, find(name), text), value) != 0;
    bool within = exec_in_transaction(s->exec) && exec_savepoints(s->exec) > 0;
    if (!strcmp(name, "transaction_read_only")) {
        if (changes && s->read_only && within)
            return error_new("25001", "cannot set transaction read-write mode inside a read-only "
                                      "transaction");
        if (changes && s->read_only && s->queried)
            return error_new("25001", "transaction read-write mode must be set before any query");
        return NULL;
    }
    bool isolation = !strcmp(name, "transaction_isolation");
    const char *what =
        isolation ? "SET TRANSACTION ISOLATION LEVEL" : "SET TRANSACTION [NOT] DEFERRABLE";
    if (isolation && !changes)
        return NULL;
    if (within && !isolation)
        return error_new("25001", "%s cannot be called within a subtransaction", what);
    if (s->queried)
        return error_new("25001", "%s must be called before any query", what);
    if (within)
        return error_new("25001", "%s must not be called in a subtransaction", what);
    return NULL;
}

static bool is_mode(const char *name)
{
    return !strcmp(name, "transaction_isolation") || !strcmp(name, "transaction_read_only") ||
           !strcmp(name, "transaction_deferrable");
}

/* SET TRANSACTION ..: of this transaction. */
static struct error *set_mode(struct session *s, const struct setting *row, char *value, bool reset)
{
    _cleanup_(mem_freep) char *own = value;
    bool on = !strcmp(own, "on");
    if (transaction__outside(s))
        return NULL;
    if (!reset) /* PostgreSQL does not look then */
        TRY(check_mode(s, row->name, own));
    if (!strcmp(row->name, "transaction_isolation")) {
        mem_free(s->isolation);
        s->isolation = own;
        own = NULL;
    } else if (!strcmp(row->name, "transaction_deferrable")) {
        s->deferrable = on;
    } else {
        if (on && !s->read_only)
            s->read_only_depth = exec_savepoints(s->exec);
        s->read_only = on;
    }
    transaction__isolate(s);
    return NULL;
}

static struct error *unknown(const char *name)
{
    return error_new(E_UNDEFINED_OBJECT, "unrecognized configuration parameter \"%s\"", name);
}

/* a.b.c */
static bool good_custom_name(const char *name)
{
    for (const char *p = name; strchr(name, '.'); p++) {
        bool letter = isalpha((unsigned char)*p) || *p == '_' || (unsigned char)*p >= 128;
        for (; letter &&
               (isalnum((unsigned char)*p) || *p == '_' || *p == '$' || (unsigned char)*p >= 128);)
            p++;
        if (!letter || (*p && *p != '.'))
            return false;
        if (!*p)
            return true;
    }
    return false;
}

static struct error *set_custom(struct session *s, const char *name, const char *value, bool local)
{
    struct settings *t = &s->settings;
    int i = settings__find_custom(t, name);
    if (i < 0 && !strchr(name, '.'))
        return unknown(name);
    if (i < 0 && !good_custom_name(name))
        return error_detail(
            error_new("42602", "invalid configuration parameter name \"%s\"", name),
            "Custom parameter names must be two or more simple identifiers separated by dots.");
    if (i < 0 && t->n_custom >= 1000)
        return error_new("53000", "too many settings");
    if (i < 0)
        i = settings__add_custom(t, name);
    assign(s, N_SETTINGS + i, value ? mem_strdup(value) : NULL, local);
    return NULL;
}

struct error *settings__set(struct session *s, const char *name, const char *value, bool local)
{
    int i = find(name);
    if (i < 0)
        return set_custom(s, name, value, local);
    const struct setting *row = &table[i];
    if (row->flags & FIXED)
        return error_new("55P02", "parameter \"%s\" cannot be changed", row->name);
    char *own = value ? mem_strdup(value) : NULL;
    struct error *e = own ? check(s, row, &own) : NULL;
    if (e) {
        mem_free(own);
        return e;
    }
    if (is_mode(row->name))
        return set_mode(s, row,
                        own ? own : mem_strdup(row->kind == KIND_BOOL ? "off" : "read committed"),
                        !value);
    assign(s, i, own, local);
    return NULL;
}

struct error *settings__reset_all(struct session *s)
{
    for (int i = 0; i < s->settings.n; i++)
        if (settings__changed(&s->settings, i))
            settings__assign(&s->settings, i, NULL, false, exec_savepoints(s->exec));
    settings__derive(s);
    return NULL;
}

void settings__started(struct session *s)
{
    settings__keep_start(&s->settings);
    settings__derive(s);
}

void settings__transaction_end(struct session *s, bool committed)
{
    struct settings *t = &s->settings;
    mem_free(s->isolation);
    s->isolation = NULL;
    s->read_only = s->deferrable = s->queried = false;
    s->read_only_depth = 0;
    if (!t->n_log)
        return;
    settings__end(t, committed);
    settings__derive(s);
}

void settings__savepoint_undone(struct session *s, int depth)
{
    settings__undo(&s->settings, depth);
    settings__derive(s);
}

/* ---- showing ------------------------------------------------------------------------------ */

struct error *settings__show(struct session *s, const char *name, char **ret)
{
    char text[16], shown[32];
    int i = find_any(s, name);
    if (i < 0)
        return unknown(name);
    const char *value = value_of(s, i, text);
    if (i < N_SETTINGS && value == table[i].initial && *unit_of(table[i].kind))
        value = number_text(&table[i], number(s, name), shown);
    *ret = mem_strdup(value);
    return NULL;
}

void settings__each(struct session *s,
                    struct error *(*row)(void *ctx, const char *name, const char *value,
                                         const char *description),
                    void *ctx, struct error **ret)
{
    *ret = NULL;
    for (int i = 0; i < N_SETTINGS && !*ret; i++) {
        if (table[i].flags & HIDDEN)
            continue;
        _cleanup_(mem_freep) char *value = NULL;
        *ret = settings__show(s, table[i].name, &value);
        if (!*ret)
            *ret = row(ctx, table[i].name, value, table[i].description);
    }
}

/* ---- asked by statements ------------------------------------------------------------------ */

static struct error *io_show(void *ctx, const char *name, char **ret)
{
    return settings__show(ctx, name, ret);
}

static struct error *io_set(void *ctx, const char *name, const char *value, bool local)
{
    return settings__set(ctx, name, value, local);
}

static bool io_setting(void *ctx, int i, struct exec_setting *ret)
{
    static const char *const types[] = {
        [KIND_BOOL] = "bool",  [KIND_S] = "integer",  [KIND_INT] = "integer",
        [KIND_MS] = "integer", [KIND_KB] = "integer", [KIND_PAGES] = "integer",
        [KIND_REAL] = "real",  [KIND_ENUM] = "enum",  [KIND_TEXT] = "string"};
    struct session *s = ctx;
    char scratch[16]; /* of numbers alone, which are printed below */
    for (int k = 0; k < N_SETTINGS && k <= i; k++)
        i += (table[k].flags & HIDDEN) != 0;
    if (i < 0 || i >= N_SETTINGS)
        return false;
    const struct setting *row = &table[i];
    *ret = (struct exec_setting){.name = row->name,
                                 .unit = *unit_of(row->kind) ? unit_of(row->kind) + 1 : NULL,
                                 .description = row->description,
                                 .category = setting__category(row->name),
                                 .least = (double)row->min,
                                 .most = row->max ? (double)row->max : DBL_MAX,
                                 .context = row->flags & FIXED ? "internal" : "user",
                                 .type = types[row->kind],
                                 .choices = row->choices,
                                 .initial = row->initial,
                                 .start = settings__start_text(&s->settings, i),
                                 .min = row->min,
                                 .max = row->max,
                                 .numeric = strcmp(types[row->kind], "integer") == 0,
                                 .changed = settings__changed(&s->settings, i)};
    int64_t reset;
    if (ret->numeric && ret->start && parse_number(row->kind, ret->start, &reset)) {
        snprintf(ret->reset, sizeof(ret->reset), "%lld", (long long)reset);
        ret->start = ret->reset;
    }
    if (ret->numeric)
        snprintf(ret->value, sizeof(ret->value), "%lld", (long long)number(s, row->name));
    else
        ret->text = value_of(s, i, scratch);
    return true;
}

struct exec_session_io settings__io(struct session *s)
{
    return (struct exec_session_io){.ctx = s,
                                    .show = io_show,
                                    .set = io_set,
                                    .setting = io_setting,
                                    .warn = activity__warn,
                                    .activity = activity__list,
                                    .query = activity__sent,
                                    .prepared = listing__prepared,
                                    .cursors = listing__cursors,
                                    .channels = listing__channels,
                                    .address = activity__address,
                                    .signal = activity__signal};
}
