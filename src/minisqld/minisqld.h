/* minisqld: the server program: what it is told (options.c), its data directory (datadir.c), its
 * parts and their order (server.c). */
#pragma once

#include "gateway/gateway.h"

int minisqld_main(int argc, char **argv);

/* ---- options ------------------------------------------------------------------------------ */

enum minisqld_option {
    OPTION_NAME,
    OPTION_DATA,
    OPTION_LISTEN,
    OPTION_INSECURE,
    OPTION_HTTP,
    OPTION_COORD,
    OPTION_COORD_CA,
    OPTION_COORD_CERT,
    OPTION_COORD_KEY,
    OPTION_COORD_USER,
    OPTION_COORD_PASSWORD_FILE,
    OPTION_ROLES,
    OPTION_COPIES,
    OPTION_MAX_CONNECTIONS,
    OPTION_BEACON_MS,
    OPTION_LEASE_MS,
    OPTION_GRACE_MS,
    OPTION_RETRY_MS,
    OPTION_STATEMENT_MEMORY,
    OPTION_SNAPSHOT_RATE,
    OPTION_INSTRUCTION_KEEP,
    OPTION_LOG_LEVEL,
    OPTION_CONFIG,
    N_OPTIONS,
};

struct minisqld_options {
    char *values[N_OPTIONS]; /* as given; NULL: the default */

    /* checked and taken apart */
    const char *name; /* NULL: not given */
    const char *data, *coord;
    char *host, *port;
    struct coord_security coord_security;
    char *coord_password;
    bool insecure, gateway, region, master;
    unsigned copies, max_connections, beacon_ms, lease_ms, grace_ms, retry_ms;
    unsigned instruction_keep_s;
    size_t statement_memory;
    uint64_t snapshot_rate; /* bytes a second; 0: no limit */
    enum log_level log_level;
};

enum minisqld_action { MINISQLD_RUN, MINISQLD_HELP, MINISQLD_VERSION };

/* Flags over environment over configuration file over defaults. 22023 with what to do. */
struct error *minisqld_options(int argc, char **argv, char **environment,
                               enum minisqld_action *ret_action, struct minisqld_options *ret);
void minisqld_options_done(struct minisqld_options *o);
char *minisqld_help(void); /* mem_free */

/* ---- the data directory ------------------------------------------------------------------- */

struct datadir;
/* Makes it if need be, locks it, reads what it says of itself. `name` NULL: as stored there, or
 * made of the host's name and `port`. 55006 in use by another process, 0A000 written by a newer
 * version, 55000 of another name, 58030. */
struct error *datadir_open(const char *path, const char *name, const char *port,
                           struct datadir **ret);
/* It belongs to this cluster, or to none yet (it does from now on): else 55000. */
struct error *datadir_join(struct datadir *d, uint64_t cluster);
const char *datadir_name(const struct datadir *d);
void datadir_close(struct datadir *d); /* NULL is fine */

/* ---- the server --------------------------------------------------------------------------- */

struct server_process;
struct error *server_start(const struct minisqld_options *o, struct server_process **ret);
/* Its disk had failed and works again: stop it, and start another. */
bool server_wants_restart(const struct server_process *s);
/* Lets statements end, hands primaries over, closes everything. */
void server_stop(struct server_process *s);
