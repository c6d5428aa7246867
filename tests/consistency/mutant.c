/* minisqld with the mistake that MINISQL_MUTATION names; see mutants, which lists them. */
#include "minisqld/minisqld.h"
#include "repl/repl.h"

#include <stdlib.h>

const char *repl__mutation;

int main(int argc, char **argv)
{
    repl__mutation = getenv("MINISQL_MUTATION");
    return minisqld_main(argc, argv);
}
