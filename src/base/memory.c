/* Allocation that cannot fail, and arenas for what lives as long as one statement. */
#include "base/base.h"

#include <stdio.h>
#include <unistd.h>

static _Noreturn void out_of_memory(size_t size)
{
    fprintf(stderr, "out of memory: could not get %zu bytes\n", size);
    abort();
}

void *mem_alloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p)
        out_of_memory(size);
    return p;
}

void *mem_zalloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p)
        out_of_memory(size);
    return p;
}

void *mem_realloc(void *p, size_t size)
{
    p = realloc(p, size ? size : 1);
    if (!p)
        out_of_memory(size);
    return p;
}

char *mem_strdup(const char *s)
{
    return mem_strndup(s, strlen(s));
}

char *mem_strndup(const char *s, size_t n)
{
    char *p = mem_alloc(n + 1);
    memcpy(p, s, n);
    p[n] = 0;
    return p;
}

char *mem_printf(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *s = NULL;
    int n = vasprintf(&s, format, ap);
    va_end(ap);
    if (n < 0)
        out_of_memory(strlen(format));
    return s;
}

void mem_free(void *p)
{
    free(p);
}

void mem_freep(void *pp)
{
    free(*(void **)pp);
}

void fd_closep(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* ---- arena -------------------------------------------------------------------------------- */

enum { ARENA_BLOCK = 8 * 1024, ARENA_ALIGN = 16 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    _Alignas(ARENA_ALIGN) char data[];
};

static void arena_grow(struct arena *a, size_t size)
{
    size_t want = MAX(size, a->block ? a->block : (size_t)ARENA_BLOCK);
    struct arena_block *b = mem_alloc(sizeof(*b) + want);
    b->size = want;
    b->next = a->blocks;
    a->blocks = b;
    a->next = b->data;
    a->end = b->data + want;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if ((size_t)(a->end - a->next) < size || !a->next)
        arena_grow(a, size);
    void *p = a->next;
    a->next += size;
    a->used += size;
    memset(p, 0, size);
    return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *p = arena_alloc(a, n + 1);
    memcpy(p, s, n);
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    char *p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    return p;
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = NULL;
    for (struct arena_block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        if (!keep && b->size == ARENA_BLOCK) {
            keep = b;
            keep->next = NULL;
        } else {
            mem_free(b);
        }
    }
    *a = (struct arena){.blocks = keep,
                        .block = a->block,
                        .next = keep ? keep->data : NULL,
                        .end = keep ? keep->data + keep->size : NULL};
}

void arena_done(struct arena *a)
{
    for (struct arena_block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        mem_free(b);
    }
    *a = (struct arena){0};
}
