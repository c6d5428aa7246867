/* The server's entry point; everything is in the folder's library, where tests reach it. */
#include "minisqld/minisqld.h"

int main(int argc, char **argv)
{
    return minisqld_main(argc, argv);
}
