/* The shell's entry point; everything is in the folder's library, where tests reach it. */
#include "minisql/minisql.h"

int main(int argc, char **argv)
{
    return minisql_main(argc, argv);
}
