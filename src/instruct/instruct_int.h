/* instruct, inside: the records in the store are instruct.c's, executing is run.c's. */
#pragma once

#include "instruct/instruct.h"

#include <jansson.h>
#include <pthread.h>

struct instruct {
    struct instruct_options o;
    char *root;     /* the key that all instructions lie beneath, with its slash */
    char token[20]; /* of this life of the server, in its claims */
    bool rooted;    /* the thread's: the place for instructions is there */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    /* guarded by lock */
    bool stop;
    struct exec_session *session; /* that executes now; NULL: none */
};

/* Executes a statement under a request id that is its alone; gives the result record. `again`: an
 * earlier life of this server had begun with it. *ret NULL: it was cancelled because the server
 * stops. */
void instruct__run(struct instruct *in, const char *statement, const struct store_request *request,
                   bool again, json_t **ret);
