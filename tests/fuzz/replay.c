/*
 * Runs a fuzz target over the files of its corpus directory, and over some changed copies of each
 * (cut short, one bit flipped), so that a plain build tests the same code as libFuzzer does.
 */
#include "fuzz.h"

#include "base/base.h"

#include <dirent.h>
#include <stdio.h>

enum { CHANGED_COPIES = 200 };

static size_t load(const char *path, uint8_t **ret)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return 0;
    struct buf b = {0};
    char piece[4096];
    for (size_t n; (n = fread(piece, 1, sizeof(piece), f));)
        buf_append(&b, piece, n);
    fclose(f);
    *ret = (uint8_t *)b.data;
    return b.len;
}

/* Each input lies in a block of just its size, so that a read past its end is caught. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *exact = mem_alloc(size ? size : 1);
    if (size)
        memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    mem_free(exact);
}

static void run_changed(uint8_t *data, size_t size, struct rng *r)
{
    for (int i = 0; i < CHANGED_COPIES && size; i++) {
        size_t at = (size_t)rng_below(r, size);
        uint8_t bit = (uint8_t)(1u << rng_below(r, 8));
        run(data, at);
        data[at] ^= bit;
        run(data, size);
        data[at] ^= bit;
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS_DIRECTORY\n", argv[0]);
        return 2;
    }
    DIR *d = opendir(argv[1]);
    if (!d) {
        fprintf(stderr, "%s: cannot be read\n", argv[1]);
        return 1;
    }
    int files = 0;
    struct rng r;
    rng_seed(&r, 1);
    struct dirent *e;
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        char *path = mem_printf("%s/%s", argv[1], e->d_name);
        uint8_t *data = NULL;
        size_t size = load(path, &data);
        run(data, size);
        run_changed(data, size, &r);
        mem_free(data);
        mem_free(path);
        files++;
    }
    closedir(d);
    printf("%d inputs\n", files);
    return files ? 0 : 1; /* an empty corpus tests nothing */
}
