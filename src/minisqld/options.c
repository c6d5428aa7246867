/*
 * What the server is told: flags, environment, configuration file, one table of names for all
 * three.
 *
 *   --listen 127.0.0.1:5433      MINISQL_LISTEN=127.0.0.1:5433      listen = 127.0.0.1:5433
 *
 * A name that does not exist is an error, with the nearest one that does.
 */
#include "minisqld/minisqld.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

static const struct option_row {
    const char *name, *initial, *value, *help;
} table[N_OPTIONS] = {
    [OPTION_NAME] = {"name", NULL, "NAME",
                     "name of this server, unique in the cluster (default: made of "
                     "host and port, and kept in the data directory)"},
    [OPTION_DATA] = {"data", "./minisql-data", "DIR", "data directory"},
    [OPTION_LISTEN] = {"listen", "127.0.0.1:5433", "HOST:PORT",
                       "where clients and other servers connect"},
    [OPTION_INSECURE] = {"insecure", "no", "yes|no",
                         "listen on an address that is not loopback: there is no "
                         "authentication, whoever reaches it may do everything"},
    [OPTION_HTTP] = {"http", NULL, "HOST:PORT", "reserved"},
    [OPTION_COORD] = {"coord", "embedded", "URL",
                      "coordination store: embedded, "
                      "etcd://host:port,host:port,... or zookeeper://host:port,host:port,..."},
    [OPTION_COORD_CA] = {"coord-ca", NULL, "FILE",
                         "certificates that etcds:// trusts (default: the system's)"},
    [OPTION_COORD_CERT] = {"coord-cert", NULL, "FILE", "this server's certificate for etcds://"},
    [OPTION_COORD_KEY] = {"coord-key", NULL, "FILE", "and its private key"},
    [OPTION_COORD_USER] = {"coord-user", NULL, "NAME", "user of the coordination store"},
    [OPTION_COORD_PASSWORD_FILE] = {"coord-password-file", NULL, "FILE",
                                    "its first line is that user's password"},
    [OPTION_ROLES] = {"roles", "gateway,region,master", "LIST", "what this server does"},
    [OPTION_COPIES] = {"copies", "2", "N", "copies of a new table's data"},
    [OPTION_MAX_CONNECTIONS] = {"max-connections", "5000", "N", "clients at the same time"},
    [OPTION_BEACON_MS] = {"beacon-ms", "200", "MS", "between two signs of life to another server"},
    [OPTION_LEASE_MS] = {"lease-ms", "1000", "MS", "a primary serves so long without an answer"},
    [OPTION_GRACE_MS] = {"grace-ms", "1200", "MS",
                         "a backup takes over after so long a silence; more "
                         "than lease-ms"},
    [OPTION_RETRY_MS] = {"retry-ms", "30000", "MS",
                         "a statement that meets a failing server is tried "
                         "again for so long"},
    [OPTION_STATEMENT_MEMORY] = {"statement-memory", "64", "MB",
                                 "for a statement's joins and groups; "
                                 "more goes to disk"},
    [OPTION_SNAPSHOT_RATE] = {"snapshot-rate", "32", "MB",
                              "sent a second to servers that need whole copies; "
                              "0 is no limit"},
    [OPTION_INSTRUCTION_KEEP] = {"instruction-keep", "3600", "SECONDS",
                                 "the result of an instruction is removed after so long"},
    [OPTION_LOG_LEVEL] = {"log-level", "info", "LEVEL", "debug, info, warn or error"},
    [OPTION_CONFIG] = {"config", NULL, "FILE", "lines of name = value, with the names above"},
};

/* ---- names -------------------------------------------------------------------------------- */

/* Edits that turn one word into the other; words are short. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(b), row[64];
    if (n >= ARRAY_LEN(row) || strlen(a) >= ARRAY_LEN(row))
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = MIN(MIN(row[j] + 1, row[j - 1] + 1), replaced);
        }
    }
    return row[n];
}

static struct error *unknown(const char *name, const char *where)
{
    size_t best = 0;
    for (size_t i = 1; i < N_OPTIONS; i++)
        if (distance(name, table[i].name) < distance(name, table[best].name))
            best = i;
    struct error *e = error_new("22023", "there is no option \"%s\"%s", name, where);
    if (distance(name, table[best].name) <= 3)
        return error_hint(e, "Did you mean \"%s\"? minisqld --help lists them all.",
                          table[best].name);
    return error_hint(e, "minisqld --help lists them all.");
}

static int find(const char *name, size_t len)
{
    for (int i = 0; i < N_OPTIONS; i++)
        if (strlen(table[i].name) == len && !strncmp(table[i].name, name, len))
            return i;
    return -1;
}

/* The first who says something wins. */
static void take(struct minisqld_options *o, int option, const char *value, size_t len)
{
    if (!o->values[option])
        o->values[option] = mem_strndup(value, len);
}

/* ---- sources ------------------------------------------------------------------------------ */

static struct error *take_flag(struct minisqld_options *o, char **argv, int argc, int *at)
{
    const char *flag = argv[*at];
    if (strncmp(flag, "--", 2) != 0)
        return error_hint(error_new("22023", "unexpected argument \"%s\"", flag),
                          "Options begin with two dashes; minisqld --help lists them.");
    const char *name = flag + 2;
    size_t len = strcspn(name, "=");
    int option = find(name, len);
    if (option < 0) {
        _cleanup_(mem_freep) char *bare = mem_strndup(name, len);
        return unknown(bare, "");
    }
    if (name[len] == '=') {
        mem_free(o->values[option]); /* of two equal flags the last one counts */
        o->values[option] = mem_strdup(name + len + 1);
        return NULL;
    }
    if (*at + 1 == argc)
        return error_new("22023", "option --%s wants a value: --%s %s", table[option].name,
                         table[option].name, table[option].value);
    mem_free(o->values[option]);
    o->values[option] = mem_strdup(argv[++*at]);
    return NULL;
}

static struct error *take_flags(struct minisqld_options *o, int argc, char **argv,
                                enum minisqld_action *ret_action)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h") || !strcmp(argv[i], "-?")) {
            *ret_action = MINISQLD_HELP;
            return NULL;
        }
        if (!strcmp(argv[i], "--version") || !strcmp(argv[i], "-V")) {
            *ret_action = MINISQLD_VERSION;
            return NULL;
        }
        TRY(take_flag(o, argv, argc, &i));
    }
    return NULL;
}

static void take_environment(struct minisqld_options *o, char **environment)
{
    for (int i = 0; i < N_OPTIONS; i++) {
        char name[64];
        snprintf(name, sizeof(name), "MINISQL_%s=", table[i].name);
        for (char *p = name; *p; p++)
            *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
        size_t len = strlen(name);
        for (char **e = environment; e && *e; e++)
            if (!strncmp(*e, name, len))
                take(o, i, *e + len, strlen(*e + len));
    }
}

static struct error *take_line(struct minisqld_options *o, const char *file, int number, char *line)
{
    char *p = line + strspn(line, " \t");
    p[strcspn(p, "\r\n")] = 0;
    if (!*p || *p == '#')
        return NULL;
    size_t len = strcspn(p, " \t=");
    char *value = p + len + strspn(p + len, " \t");
    if (*value != '=')
        return error_hint(error_new("22023", "%s, line %d: there is no \"=\"", file, number),
                          "Lines look like: listen = 127.0.0.1:5433");
    value += 1 + strspn(value + 1, " \t");
    size_t n = strlen(value);
    while (n && isspace((unsigned char)value[n - 1]))
        n--;
    if (n >= 2 && (*value == '"' || *value == '\'') && value[n - 1] == *value) {
        value++;
        n -= 2;
    }
    p[len] = 0;
    int option = find(p, len);
    if (option < 0 || option == OPTION_CONFIG) {
        char where[320];
        snprintf(where, sizeof(where), " (%s, line %d)", file, number);
        return unknown(p, where);
    }
    take(o, option, value, n);
    return NULL;
}

static struct error *take_file(struct minisqld_options *o, const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return error_errno(E_IO, errno, "could not read the configuration file \"%s\"", path);
    struct error *e = NULL;
    char *line = NULL;
    size_t cap = 0;
    for (int number = 1; !e && getline(&line, &cap, f) >= 0; number++)
        e = take_line(o, path, number, line);
    free(line);
    fclose(f);
    return e;
}

/* ---- values ------------------------------------------------------------------------------- */

static struct error *wrong(const char *name, const char *value, const char *hint)
{
    return error_hint(error_new("22023", "--%s: \"%s\" is not understood", name, value), "%s",
                      hint);
}

static struct error *number(const struct minisqld_options *o, enum minisqld_option option,
                            unsigned min, unsigned max, unsigned *ret)
{
    char *end, hint[80];
    errno = 0;
    const char *value = o->values[option];
    unsigned long v = strtoul(value, &end, 10);
    if (end == value || *end || errno || *value == '-' || v < min || v > max) {
        snprintf(hint, sizeof(hint), "Give a number from %u to %u.", min, max);
        return wrong(table[option].name, value, hint);
    }
    *ret = (unsigned)v;
    return NULL;
}

static struct error *check_listen(struct minisqld_options *o)
{
    const char *value = o->values[OPTION_LISTEN], *colon = strrchr(value, ':');
    char *end = NULL;
    long port = colon ? strtol(colon + 1, &end, 10) : -1;
    if (!colon || colon == value || end == colon + 1 || *end || port < 0 || port > 65535)
        return wrong("listen", value, "Give it as HOST:PORT, for example 127.0.0.1:5433.");
    bool bracketed = *value == '[' && colon[-1] == ']';
    o->host = bracketed ? mem_strndup(value + 1, (size_t)(colon - value) - 2)
                        : mem_strndup(value, (size_t)(colon - value));
    o->port = mem_strdup(colon + 1);
    return NULL;
}

static struct error *check_insecure(struct minisqld_options *o)
{
    const char *value = o->values[OPTION_INSECURE];
    o->insecure = !strcmp(value, "yes");
    return o->insecure || !strcmp(value, "no") ? NULL : wrong("insecure", value, "Give yes or no.");
}

static struct error *check_roles(struct minisqld_options *o)
{
    const char *p = o->values[OPTION_ROLES];
    do {
        p += strspn(p, ", ");
        size_t len = strcspn(p, ", ");
        if (len == 7 && !strncmp(p, "gateway", len))
            o->gateway = true;
        else if (len == 6 && !strncmp(p, "region", len))
            o->region = true;
        else if (len == 6 && !strncmp(p, "master", len))
            o->master = true;
        else
            return wrong("roles", o->values[OPTION_ROLES],
                         "Give some of gateway, region, master, separated by commas.");
        p += len;
    } while (*p);
    return NULL;
}

static struct error *check_name(struct minisqld_options *o)
{
    const char *name = o->values[OPTION_NAME];
    o->name = name;
    if (!name)
        return NULL;
    bool good = *name && strlen(name) <= 63;
    for (const char *p = name; *p; p++)
        good &= isalnum((unsigned char)*p) || *p == '-' || *p == '_' || *p == '.';
    return good
               ? NULL
               : wrong("name", name, "Use up to 63 letters, digits, dashes, dots and underscores.");
}

static struct error *check_level(struct minisqld_options *o)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strcmp(o->values[OPTION_LOG_LEVEL], names[i])) {
            o->log_level = (enum log_level)i;
            return NULL;
        }
    return wrong("log-level", o->values[OPTION_LOG_LEVEL], "Give debug, info, warn or error.");
}

static struct error *check_http(const struct minisqld_options *o)
{
    if (!o->values[OPTION_HTTP])
        return NULL;
    return error_hint(
        error_new(E_UNSUPPORTED, "--http is reserved: there is no HTTP interface yet"),
        "Leave it out, and connect with a PostgreSQL client.");
}

/* The password comes from a file only: command lines and environments are seen by others. */
static struct error *read_password(const char *path, char **ret)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return error_errno("22023", errno, "could not open --coord-password-file \"%s\"", path);
    char line[1024] = "";
    bool ok = fgets(line, sizeof(line), f) != NULL;
    fclose(f);
    line[strcspn(line, "\r\n")] = 0;
    if (!ok || !*line)
        return error_new("22023", "there is no password in \"%s\"", path);
    *ret = mem_strdup(line);
    return NULL;
}

static struct error *check_coord(struct minisqld_options *o)
{
    o->coord = o->values[OPTION_COORD];
    if (o->values[OPTION_COORD_PASSWORD_FILE])
        TRY(read_password(o->values[OPTION_COORD_PASSWORD_FILE], &o->coord_password));
    o->coord_security = (struct coord_security){.user = o->values[OPTION_COORD_USER],
                                                .password = o->coord_password,
                                                .ca = o->values[OPTION_COORD_CA],
                                                .cert = o->values[OPTION_COORD_CERT],
                                                .key = o->values[OPTION_COORD_KEY]};
    return NULL;
}

static struct error *check_values(struct minisqld_options *o)
{
    unsigned megabytes = 0, rate = 0;
    TRY(check_name(o));
    TRY(check_listen(o));
    TRY(check_insecure(o));
    TRY(check_roles(o));
    TRY(check_http(o));
    TRY(check_coord(o));
    TRY(check_level(o));
    TRY(number(o, OPTION_COPIES, 1, CATALOG_MAX_COPIES, &o->copies));
    TRY(number(o, OPTION_MAX_CONNECTIONS, 1, 1000000, &o->max_connections));
    TRY(number(o, OPTION_BEACON_MS, 10, 60000, &o->beacon_ms));
    TRY(number(o, OPTION_LEASE_MS, 50, 600000, &o->lease_ms));
    TRY(number(o, OPTION_GRACE_MS, 50, 600000, &o->grace_ms));
    TRY(number(o, OPTION_RETRY_MS, 0, 3600000, &o->retry_ms));
    TRY(number(o, OPTION_STATEMENT_MEMORY, 1, 1024 * 1024, &megabytes));
    o->statement_memory = (size_t)megabytes << 20;
    TRY(number(o, OPTION_SNAPSHOT_RATE, 0, 1024 * 1024, &rate));
    o->snapshot_rate = (uint64_t)rate << 20;
    TRY(number(o, OPTION_INSTRUCTION_KEEP, 1, 365 * 86400, &o->instruction_keep_s));
    o->data = o->values[OPTION_DATA];
    if (o->grace_ms <= o->lease_ms)
        return error_hint(error_new("22023", "--grace-ms (%u) has to be more than --lease-ms (%u)",
                                    o->grace_ms, o->lease_ms),
                          "Else a backup could take over while the primary still serves.");
    if (o->lease_ms < 2 * o->beacon_ms)
        return error_hint(error_new("22023",
                                    "--lease-ms (%u) has to be at least twice --beacon-ms (%u)",
                                    o->lease_ms, o->beacon_ms),
                          "Else one lost beacon ends the lease.");
    return NULL;
}

/* ---- all of it ---------------------------------------------------------------------------- */

struct error *minisqld_options(int argc, char **argv, char **environment,
                               enum minisqld_action *ret_action, struct minisqld_options *ret)
{
    *ret_action = MINISQLD_RUN;
    *ret = (struct minisqld_options){0};
    TRY(take_flags(ret, argc, argv, ret_action));
    if (*ret_action != MINISQLD_RUN)
        return NULL;
    take_environment(ret, environment);
    if (ret->values[OPTION_CONFIG])
        TRY(take_file(ret, ret->values[OPTION_CONFIG]));
    for (int i = 0; i < N_OPTIONS; i++)
        if (table[i].initial)
            take(ret, i, table[i].initial, strlen(table[i].initial));
    return check_values(ret);
}

void minisqld_options_done(struct minisqld_options *o)
{
    for (int i = 0; i < N_OPTIONS; i++)
        mem_free(o->values[i]);
    mem_free(o->host);
    mem_free(o->port);
    mem_free(o->coord_password);
    *o = (struct minisqld_options){0};
}

/* The help's text wrapped behind its column. */
static void put_wrapped(struct buf *b, const char *text)
{
    enum { COLUMN = 30, WIDTH = 58 };
    while (*text) {
        size_t n = strlen(text);
        if (n > WIDTH)
            for (n = WIDTH; text[n] != ' '; n--)
                ;
        buf_append(b, text, n);
        text += n + strspn(text + n, " ");
        buf_puts(b, "\n");
        if (*text)
            buf_printf(b, "%*s", COLUMN, "");
    }
}

char *minisqld_help(void)
{
    struct buf b = {0};
    buf_puts(&b, "minisqld is the MiniSQL server.\n\nUsage:\n  minisqld [OPTION]...\n"
                 "  minisqld sim --help     (a cluster in a simulated world)\n\n"
                 "With no options it is a whole database on one machine: data in ./minisql-data,\n"
                 "clients at 127.0.0.1:5433 (psql -h 127.0.0.1 -p 5433 -d minisql).\n\nOptions:\n");
    for (int i = 0; i < N_OPTIONS; i++) {
        char flag[64];
        snprintf(flag, sizeof(flag), "--%s %s", table[i].name, table[i].value);
        buf_printf(&b, "  %-28s", flag);
        _cleanup_(mem_freep) char *text =
            table[i].initial ? mem_printf("%s (default %s)", table[i].help, table[i].initial)
                             : mem_strdup(table[i].help);
        put_wrapped(&b, text);
    }
    buf_puts(&b,
             "  --help, --version\n\n"
             "Each is also an environment variable (MINISQL_LISTEN, MINISQL_MAX_CONNECTIONS)\n"
             "and a line of the configuration file (listen = 127.0.0.1:5433). Flags win over the\n"
             "environment, that over the file.\n\n"
             "SIGTERM and SIGINT stop the server cleanly; a second one stops it at once.\n");
    return b.data;
}
