/*
 * Batches of a scan, perhaps filled on a thread of their own: reading SQLite's pages costs about as
 * much as joining and grouping what is in them, so that two threads halve the time.
 *
 * A ring of batches: the scanning thread fills ring[tail], the other one works on ring[head].
 * Whoever fails first stops the other: an error of the consumer ends the scan with E_ENOUGH, an
 * error of the scan is what comes back.
 */
#include "exec/batch_int.h"

enum { RING = 8 };

struct feed {
    struct run *run;
    const struct plan_scan *scan;
    exec__batch_fn batch;
    void *ctx;
    struct rows ring[RING];

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    unsigned head, tail; /* batches taken and filled */
    bool done, stop;     /* the scan has ended; it is to end */
    struct error *error; /* of the scan */
};

/* ---- on one thread -------------------------------------------------------------------------- */

static struct error *consume(struct feed *f)
{
    struct error *e = f->batch(f->ctx, &f->ring[0]);
    exec__rows_clear(&f->ring[0]);
    return e;
}

static struct error *add_row(void *ctx, const struct value *values, int n)
{
    struct feed *f = ctx;
    TRY(exec__rows_add(&f->ring[0], values));
    return f->ring[0].n == BATCH_ROWS ? consume(f) : NULL;
}

static struct error *feed_here(struct feed *f)
{
    TRY(exec__batch_scan(f->run, f->scan, add_row, f));
    return f->ring[0].n > 0 ? consume(f) : NULL;
}

/* ---- on two --------------------------------------------------------------------------------- */

/* The batch at the tail is full. Waits for room for the next. */
static struct error *push(struct feed *f)
{
    pthread_mutex_lock(&f->lock);
    f->tail++;
    pthread_cond_signal(&f->changed);
    while (f->tail - f->head == RING && !f->stop)
        pthread_cond_wait(&f->changed, &f->lock);
    bool stop = f->stop;
    pthread_mutex_unlock(&f->lock);
    if (stop)
        return error_new(E_ENOUGH, "enough");
    exec__rows_clear(&f->ring[f->tail % RING]);
    return NULL;
}

static struct error *push_row(void *ctx, const struct value *values, int n)
{
    struct feed *f = ctx;
    struct rows *r = &f->ring[f->tail % RING];
    TRY(exec__rows_add(r, values));
    return r->n == BATCH_ROWS ? push(f) : NULL;
}

static void *scan_thread(void *ctx)
{
    struct feed *f = ctx;
    style_use(&f->run->plan->query->style);
    struct error *e = exec__scan(f->run, f->scan, push_row, f);
    if (!e && f->ring[f->tail % RING].n > 0)
        e = push(f);
    pthread_mutex_lock(&f->lock);
    f->done = true;
    f->error = e;
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* The next full batch; NULL: there is none any more. */
static const struct rows *take(struct feed *f)
{
    pthread_mutex_lock(&f->lock);
    while (f->head == f->tail && !f->done)
        pthread_cond_wait(&f->changed, &f->lock);
    bool some = f->head != f->tail;
    pthread_mutex_unlock(&f->lock);
    return some ? &f->ring[f->head % RING] : NULL;
}

static void taken(struct feed *f)
{
    pthread_mutex_lock(&f->lock);
    f->head++;
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static struct error *feed_from_thread(struct feed *f)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, scan_thread, f) != 0)
        return feed_here(f);
    struct error *e = NULL;
    for (const struct rows *r; !e && (r = take(f)) != NULL; taken(f))
        e = f->batch(f->ctx, r);
    pthread_mutex_lock(&f->lock);
    f->stop = true;
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->lock);
    pthread_join(thread, NULL);
    if (!e)
        return f->error;
    /* Rows of a reader that turned out to be stale were not worth an error of theirs. */
    if (exec__is_retryable(f->error)) {
        error_free(e);
        return f->error;
    }
    error_free(f->error);
    return e;
}

struct error *exec__feed(struct run *r, const struct plan_scan *scan, bool threaded,
                         exec__batch_fn batch, void *ctx)
{
    struct feed *f = NEW(struct feed);
    f->run = r;
    f->scan = scan;
    f->batch = batch;
    f->ctx = ctx;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    for (int i = 0; i < RING; i++)
        exec__rows_init(&f->ring[i], scan->n_columns);
    struct error *e = threaded ? feed_from_thread(f) : feed_here(f);
    for (int i = 0; i < RING; i++)
        exec__rows_done(&f->ring[i]);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    mem_free(f);
    return e;
}
