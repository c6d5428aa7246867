/* The command line, and minisql_main(), which does what it says. */
#include "minisql/minisql_int.h"

#include <getopt.h>
#include <locale.h>
#include <strings.h>
#include <unistd.h>

enum { OPT_HELP = 256, OPT_VERSION, OPT_CSV, OPT_JSON };

void minisql__usage(FILE *out)
{
    fputs(
        "minisql is the shell of MiniSQL.\n\n"
        "Usage:\n"
        "  minisql [OPTION]... [COMMAND]\n\n"
        "Connection:\n"
        "  -h HOST[:PORT],...   servers to try in turn (default 127.0.0.1)\n"
        "  -p PORT              port (default 5433)\n"
        "  -U USER              user (default: your login name)\n"
        "  -d DATABASE          database (default minisql)\n\n"
        "What to run (default: ask for statements, or read them from standard input):\n"
        "  -c TEXT              run a statement or a backslash command, then end; may be repeated\n"
        "  -f FILE              run the statements of a file, then end; may be repeated\n"
        "  -v ON_ERROR_STOP=1   end a script at its first error, with status 3\n\n"
        "Output:\n"
        "  -A                   unaligned\n"
        "  -F SEPARATOR         between fields of unaligned output (default |)\n"
        "  -t                   rows only\n"
        "  -x                   a line for each column\n"
        "  -q                   no messages, only results\n"
        "  --csv, --json        for other programs\n\n"
        "Commands:\n"
        "  status               is the cluster well? (ends with 1 when it isn't)\n"
        "  servers              the servers, their roles and load\n"
        "  tables               the tables and where their copies lie\n"
        "  regions [--watch]    the regions and their copies, and copies in the making\n"
        "  move TABLE FROM TO   move a table's copy from one server to another\n"
        "  drain SERVER         have a server give everything away, so that it can be stopped\n"
        "  undrain SERVER       let it hold something again\n"
        "  clear [--yes]        drop every table\n"
        "  fsck [--repair]      do the store's records and all copies agree?\n"
        "  fsck --data DIR      the same of a stopped server's directory\n"
        "  recover ..           after a disaster: minisql recover says how\n\n"
        "  --help, --version\n\n"
        "Inside the shell: \\? shows its commands.\n",
        out);
}

static bool set_variable(struct session *s, const char *text)
{
    if (strncasecmp(text, "ON_ERROR_STOP", 13) != 0 || (text[13] && text[13] != '='))
        return false;
    const char *value = text[13] ? text + 14 : "1";
    s->on_error_stop = strcmp(value, "0") != 0 && strcasecmp(value, "off") != 0;
    return true;
}

static void add_action(struct options *o, bool file, const char *text)
{
    o->actions = mem_realloc(o->actions, (o->n_actions + 1) * sizeof(*o->actions));
    o->actions[o->n_actions++] = (struct action){file, text};
}

/* One option; false when it is wrong or ends the program (*ret_status). */
static bool take_option(struct session *s, int option, int *ret_status)
{
    struct options *o = &s->options;
    switch (option) {
    case 'h':
        o->hosts = optarg;
        return true;
    case 'p':
        o->port = optarg;
        return true;
    case 'U':
        o->user = optarg;
        return true;
    case 'd':
        o->database = optarg;
        return true;
    case 'c':
    case 'f':
        add_action(o, option == 'f', optarg);
        return true;
    case 'A':
        s->style.format = MINISQL_UNALIGNED;
        return true;
    case 'F':
        s->style.separator = optarg;
        return true;
    case 't':
        s->style.tuples_only = true;
        return true;
    case 'x':
        s->style.expanded = true;
        return true;
    case 'q':
        s->quiet = true;
        return true;
    case OPT_CSV:
        s->style.format = MINISQL_CSV;
        return true;
    case OPT_JSON:
        s->style.format = MINISQL_JSON;
        return true;
    case 'v':
        if (set_variable(s, optarg))
            return true;
        fprintf(stderr, "minisql: unknown setting \"%s\"; there is ON_ERROR_STOP\n", optarg);
        break;
    case OPT_HELP:
        minisql__usage(stdout);
        *ret_status = EXIT_OK;
        return false;
    case OPT_VERSION:
        puts("minisql (MiniSQL) " MINISQL_VERSION);
        *ret_status = EXIT_OK;
        return false;
    default:
        break;
    }
    fputs("Try \"minisql --help\".\n", stderr);
    *ret_status = EXIT_ERROR;
    return false;
}

bool minisql__parse_options(struct session *s, int argc, char **argv, int *ret_status)
{
    static const struct option longs[] = {
        {"help", no_argument, NULL, OPT_HELP},
        {"version", no_argument, NULL, OPT_VERSION},
        {"csv", no_argument, NULL, OPT_CSV},
        {"json", no_argument, NULL, OPT_JSON},
        {"host", required_argument, NULL, 'h'},
        {"port", required_argument, NULL, 'p'},
        {"username", required_argument, NULL, 'U'},
        {"dbname", required_argument, NULL, 'd'},
        {"command", required_argument, NULL, 'c'},
        {"file", required_argument, NULL, 'f'},
        {"no-align", no_argument, NULL, 'A'},
        {"field-separator", required_argument, NULL, 'F'},
        {"tuples-only", no_argument, NULL, 't'},
        {"expanded", no_argument, NULL, 'x'},
        {"quiet", no_argument, NULL, 'q'},
        {"set", required_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    s->options.hosts = "127.0.0.1";
    s->options.port = "5433";
    s->options.database = "minisql";
    /* "+": the command's own options (clear --yes) are not ours */
    for (int o; (o = getopt_long(argc, argv, "+h:p:U:d:c:f:v:AF:txq", longs, NULL)) != -1;)
        if (!take_option(s, o, ret_status))
            return false;
    s->options.command = argv + optind;
    s->options.n_command = argc - optind;
    return true;
}

/* ---- the program ------------------------------------------------------------------------------
 */

static int exit_status(enum outcome outcome)
{
    return outcome == RUN_FAILED ? EXIT_ERROR : outcome == RUN_LOST ? EXIT_NO_CONNECTION : EXIT_OK;
}

static int run_command(struct session *s)
{
    char **words = s->options.command;
    int n = s->options.n_command;
    bool yes = n == 2 && strcmp(words[0], "clear") == 0 && strcmp(words[1], "--yes") == 0;
    bool known = false;
    if (n == 1 || yes) {
        enum outcome outcome = minisql__operate(s, words[0], yes, &known);
        if (known)
            return exit_status(outcome);
    }
    if (n == 4 && strcmp(words[0], "move") == 0)
        return exit_status(minisql__move(s, words[1], words[2], words[3]));
    if (n == 2 && (strcmp(words[0], "drain") == 0 || strcmp(words[0], "undrain") == 0))
        return exit_status(minisql__drain(s, words[1], words[0][0] == 'u'));
    if (n == 2 && strcmp(words[0], "regions") == 0 && strcmp(words[1], "--watch") == 0)
        return exit_status(minisql__watch_regions(s));
    fprintf(stderr,
            "minisql: unknown command \"%s\"\n"
            "HINT:  Commands are status, servers, tables, regions [--watch], "
            "move TABLE FROM TO, drain SERVER, undrain SERVER, fsck, recover and clear [--yes]; "
            "give SQL with "
            "-c.\n",
            words[0]);
    return EXIT_ERROR;
}

static enum outcome run_text(struct session *s, const char *text)
{
    bool done = false;
    enum outcome outcome = minisql__word_command(s, text, &done);
    if (done)
        return outcome;
    return text[0] == '\\' ? minisql__backslash(s, text + 1) : minisql__run(s, text);
}

/* -c and -f in their order. As in psql, the last one decides, unless errors stop the run. */
static int run_actions(struct session *s)
{
    int status = EXIT_OK;
    for (size_t i = 0; i < s->options.n_actions; i++) {
        const struct action *a = &s->options.actions[i];
        enum outcome outcome = a->file ? minisql__include(s, a->text)
                                       : run_text(s, a->text + strspn(a->text, " \t\n"));
        status = exit_status(outcome);
        if (outcome == RUN_FAILED && a->file && s->on_error_stop)
            status = EXIT_SCRIPT;
        if (outcome == RUN_QUIT || outcome == RUN_LOST || (status && s->on_error_stop))
            break;
    }
    return status;
}

static int run_session(struct session *s)
{
    if (s->options.n_command)
        return run_command(s);
    if (s->options.n_actions)
        return run_actions(s);
    enum outcome outcome = minisql__read_input(s, s->interactive ? NULL : stdin, NULL);
    return outcome == RUN_FAILED && s->on_error_stop ? EXIT_SCRIPT
           : outcome == RUN_LOST                     ? EXIT_NO_CONNECTION
                                                     : EXIT_OK;
}

static void session_done(struct session *s)
{
    if (s->out != stdout)
        fclose(s->out);
    PQfinish(s->conn);
    for (size_t i = 0; i < s->n_servers; i++) {
        mem_free(s->servers[i].name);
        mem_free(s->servers[i].host);
        mem_free(s->servers[i].port);
    }
    mem_free(s->servers);
    mem_free(s->options.actions);
    minisql__names_done(&s->tables);
    minisql__names_done(&s->columns);
    minisql_split_reset(&s->splitter);
    buf_done(&s->query);
    mem_free(s->last);
    mem_free(s->null_text);
    mem_free(s->separator);
}

/* fsck and recover work without a server, too, and connect in their own way. */
static int run(struct session *s)
{
    const char *command = s->options.n_command ? s->options.command[0] : "";
    if (strcmp(command, "fsck") == 0)
        return minisql__fsck(s);
    if (strcmp(command, "recover") == 0)
        return minisql__recover(s);
    return minisql__connect(s) == RUN_OK ? run_session(s) : EXIT_NO_CONNECTION;
}

int minisql_main(int argc, char **argv)
{
    struct session s = {.out = stdout, .names_stale = true};
    int status = EXIT_OK;
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8"); /* what is typed is UTF-8 in any case */
    if (minisql__parse_options(&s, argc, argv, &status)) {
        s.interactive = !s.options.n_command && !s.options.n_actions && isatty(STDIN_FILENO);
        struct error *e = minisql__add_servers(&s, s.options.hosts, s.options.port);
        if (e) {
            fprintf(stderr, "minisql: %s\n", e->message);
            if (e->hint)
                fprintf(stderr, "HINT:  %s\n", e->hint);
            error_free(e);
            status = EXIT_ERROR;
        } else {
            minisql__install_signals();
            status = run(&s);
        }
    }
    session_done(&s);
    return status;
}
