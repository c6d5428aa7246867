/* The log: what is synced is there again, whatever happens to the process, the files or the disk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "wal/wal_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEGMENT = 16 * 1024 };

/* ---- a directory for each case ------------------------------------------------------------- */

static struct wal_io real_io;

static int setup(void **state)
{
    if (!real_io.open)
        real_io = wal__io;
    char *dir = mem_strdup("/tmp/test_wal.XXXXXX");
    assert_non_null(mkdtemp(dir));
    *state = dir;
    return 0;
}

static int teardown(void **state)
{
    wal__io = real_io;
    char *command = mem_printf("rm -rf %s", (char *)*state);
    int rc = system(command);
    mem_free(command);
    mem_free(*state);
    return rc;
}

static void ok(struct error *e)
{
    if (e)
        fail_msg("%s: %s", e->sqlstate, e->message);
}

static void fails(struct error *e, const char *sqlstate)
{
    assert_non_null(e);
    assert_string_equal(e->sqlstate, sqlstate);
    error_free(e);
}

static struct wal *open_log(const char *dir)
{
    struct wal_options options = {.segment_bytes = SEGMENT};
    struct wal *w = NULL;
    ok(wal_open(dir, &options, NULL, NULL, &w, NULL, NULL));
    return w;
}

/* The data of an entry follows from its place, so that any entry can be checked. */
static size_t fill(char *data, uint64_t region, uint64_t lsn, uint64_t epoch, size_t max)
{
    struct rng r;
    rng_seed(&r, region * 1000003 + lsn * 31 + epoch);
    size_t len = (size_t)rng_below(&r, max + 1);
    for (size_t i = 0; i < len; i++)
        data[i] = (char)rng_next(&r);
    return len;
}

enum { DATA = 300 };

static uint64_t append(struct wal *w, uint64_t region, uint64_t lsn, uint64_t epoch)
{
    char data[DATA];
    struct wal_entry entry = {.region = region, .lsn = lsn, .epoch = epoch, .data = data};
    entry.len = (uint32_t)fill(data, region, lsn, epoch, DATA);
    uint64_t position = 0;
    ok(wal_append(w, &entry, 1, &position));
    return position;
}

static void check_entry(struct wal *w, uint64_t region, uint64_t lsn, uint64_t epoch)
{
    char data[DATA];
    size_t len = fill(data, region, lsn, epoch, DATA), n = 0;
    struct arena a = {0};
    struct wal_entry entry;
    ok(wal_read(w, region, lsn, SIZE_MAX, &a, &entry, 1, &n));
    assert_int_equal(n, 1);
    assert_int_equal(entry.lsn, lsn);
    assert_int_equal(entry.epoch, epoch);
    assert_int_equal(entry.len, len);
    assert_memory_equal(entry.data, data, len);
    assert_int_equal(wal_epoch(w, region, lsn), epoch);
    arena_done(&a);
}

static void check_range(struct wal *w, uint64_t region, uint64_t first, uint64_t last)
{
    uint64_t f, l, epoch;
    wal_range(w, region, &f, &l, &epoch);
    if (first > last) {
        assert_true(f > l);
        return;
    }
    assert_int_equal(f, first);
    assert_int_equal(l, last);
    assert_int_equal(epoch, wal_epoch(w, region, last));
}

static char *log_path(const char *dir, unsigned number)
{
    return mem_printf("%s/%010u.log", dir, number);
}

static size_t load_file(const char *path, char **ret)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    *ret = mem_alloc((size_t)st.st_size + 1);
    assert_int_equal(read(fd, *ret, (size_t)st.st_size), st.st_size);
    close(fd);
    return (size_t)st.st_size;
}

static void save_file(const char *path, const char *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    close(fd);
}

static void flip_byte(const char *dir, unsigned number, size_t at)
{
    char *path = log_path(dir, number), *data;
    size_t len = load_file(path, &data);
    assert_true(at < len);
    data[at] = (char)(data[at] ^ 0x55);
    save_file(path, data, len);
    mem_free(data);
    mem_free(path);
}

static unsigned count_files(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    unsigned n = 0;
    while ((e = readdir(d)))
        n += strstr(e->d_name, ".log") != NULL;
    closedir(d);
    return n;
}

/* ---- the plain way -------------------------------------------------------------------------- */

/* Entries of several regions are read back, from memory, from the file, and after opening again. */
static void entries_come_back(void **state)
{
    struct wal *w = open_log(*state);
    for (uint64_t lsn = 1; lsn <= 100; lsn++)
        for (uint64_t region = 1; region <= 3; region++) {
            uint64_t position = append(w, region, lsn, 1 + lsn / 40);
            check_entry(w, region, lsn, 1 + lsn / 40);
            if (lsn % 7 == 0)
                ok(wal_sync(w, position));
        }
    for (int round = 0; round < 3; round++) {
        for (uint64_t region = 1; region <= 3; region++) {
            check_range(w, region, 1, 100);
            for (uint64_t lsn = 1; lsn <= 100; lsn++)
                check_entry(w, region, lsn, 1 + lsn / 40);
        }
        wal_close(w);
        w = open_log(*state);
    }
    check_range(w, 4, 1, 0);
    assert_int_equal(wal_epoch(w, 1, 101), 0);
    wal_close(w);
}

static void note_found(void *ctx, uint64_t region, uint64_t first, uint64_t last, uint64_t epoch)
{
    buf_printf(ctx, "%" PRIu64 ":%" PRIu64 "-%" PRIu64 "@%" PRIu64 " ", region, first, last, epoch);
}

/* Opening reports each region with what is left of it. */
static void opening_reports_regions(void **state)
{
    struct wal *w = open_log(*state);
    for (uint64_t lsn = 1; lsn <= 5; lsn++)
        append(w, 9, lsn, 2);
    uint64_t position;
    ok(wal_truncate(w, 9, 3, &position));
    append(w, 10, 1, 1);
    ok(wal_truncate(w, 10, 0, &position));
    wal_close(w);
    struct buf found = {0};
    struct wal_options options = {.segment_bytes = SEGMENT};
    ok(wal_open(*state, &options, note_found, &found, &w, NULL, NULL));
    assert_string_equal(found.data, "9:1-3@2 ");
    buf_done(&found);
    wal_close(w);
}

/* Appending at an lsn that is held replaces it and all above; truncating forgets; both are kept. */
static void newer_entries_replace_older_ones(void **state)
{
    struct wal *w = open_log(*state);
    for (uint64_t lsn = 1; lsn <= 20; lsn++)
        append(w, 1, lsn, 1);
    append(w, 1, 11, 2);
    check_range(w, 1, 1, 11);
    append(w, 1, 12, 2);
    uint64_t position;
    ok(wal_truncate(w, 1, 11, &position));
    append(w, 1, 12, 3);
    for (int round = 0; round < 2; round++) {
        check_range(w, 1, 1, 12);
        check_entry(w, 1, 10, 1);
        check_entry(w, 1, 11, 2);
        check_entry(w, 1, 12, 3);
        wal_close(w);
        w = open_log(*state);
    }
    ok(wal_truncate(w, 1, 0, &position));
    append(w, 1, 100, 4); /* after a snapshot a region starts anywhere */
    for (int round = 0; round < 2; round++) {
        check_range(w, 1, 100, 100);
        check_entry(w, 1, 100, 4);
        wal_close(w);
        w = open_log(*state);
    }
    wal_close(w);
}

/* A gap and a size beyond the limit are refused, and leave the log as it was. */
static void bad_appends_are_refused(void **state)
{
    struct wal *w = open_log(*state);
    append(w, 1, 1, 1);
    struct wal_entry gap = {.region = 1, .lsn = 3, .epoch = 1, .data = "", .len = 0};
    uint64_t position;
    fails(wal_append(w, &gap, 1, &position), E_INTERNAL);
    struct wal_entry huge = {.region = 1, .lsn = 2, .epoch = 1, .data = "", .len = SEGMENT};
    fails(wal_append(w, &huge, 1, &position), "54000");
    struct wal_entry two[] = {{.region = 1, .lsn = 2}, {.region = 1, .lsn = 2}};
    fails(wal_append(w, two, 2, &position), E_INTERNAL);
    ok(wal_sync(w, append(w, 1, 2, 1)));
    check_range(w, 1, 1, 2);
    wal_close(w);
}

/* Reading stops at the byte limit and the count, and gives one entry at least. */
static void reading_has_limits(void **state)
{
    struct wal *w = open_log(*state);
    for (uint64_t lsn = 1; lsn <= 10; lsn++) {
        struct wal_entry e = {.region = 1, .lsn = lsn, .epoch = 1, .data = "0123456789", .len = 10};
        uint64_t position;
        ok(wal_append(w, &e, 1, &position));
    }
    struct arena a = {0};
    struct wal_entry got[20];
    size_t n;
    ok(wal_read(w, 1, 1, 35, &a, got, 20, &n));
    assert_int_equal(n, 3);
    ok(wal_read(w, 1, 1, 5, &a, got, 20, &n));
    assert_int_equal(n, 1);
    ok(wal_read(w, 1, 8, SIZE_MAX, &a, got, 20, &n));
    assert_int_equal(n, 3);
    assert_int_equal(got[2].lsn, 10);
    ok(wal_read(w, 1, 1, SIZE_MAX, &a, got, 4, &n));
    assert_int_equal(n, 4);
    ok(wal_read(w, 1, 11, SIZE_MAX, &a, got, 4, &n));
    assert_int_equal(n, 0);
    ok(wal_read(w, 2, 1, SIZE_MAX, &a, got, 4, &n));
    assert_int_equal(n, 0);
    arena_done(&a);
    wal_close(w);
}

/* The largest entry that fits a segment is kept whole, from whatever place the tail is at. */
static void largest_entries_fit(void **state)
{
    size_t limit = SEGMENT - 4 * WAL_HEADER - WAL_ALIGN;
    char *data = mem_zalloc(limit);
    struct wal *w = open_log(*state);
    for (uint64_t lsn = 1; lsn <= 40; lsn++) {
        size_t len = lsn % 3 ? limit - lsn : lsn * 8;
        memset(data, (int)lsn, len);
        struct wal_entry e = {
            .region = 1, .lsn = lsn, .epoch = 1, .data = data, .len = (uint32_t)len};
        uint64_t position;
        ok(wal_append(w, &e, 1, &position));
        if (lsn % 2)
            ok(wal_sync(w, position));
    }
    wal_close(w);
    w = open_log(*state);
    check_range(w, 1, 1, 40);
    struct arena a = {0};
    struct wal_entry got[40];
    size_t n;
    ok(wal_read(w, 1, 1, SIZE_MAX, &a, got, 40, &n));
    assert_int_equal(n, 40);
    for (size_t i = 0; i < n; i++)
        assert_true(got[i].len && got[i].data[got[i].len - 1] == (char)(i + 1));
    arena_done(&a);
    mem_free(data);
    wal_close(w);
}

/* ---- recycling ------------------------------------------------------------------------------ */

/* Released entries let segments go: the log stays small, and what old uses of a file left behind
 * never comes back. */
static void released_segments_are_recycled(void **state)
{
    struct wal *w = open_log(*state);
    for (uint64_t lsn = 1; lsn <= 3000; lsn++) {
        uint64_t position = append(w, 1, lsn, 1);
        if (lsn % 10 == 0)
            ok(wal_sync(w, position));
        if (lsn > 50)
            wal_release(w, 1, lsn - 50);
    }
    uint64_t bytes, regions[4];
    wal_pressure(w, regions, 4, &bytes);
    assert_true(bytes < 8 * SEGMENT);
    wal_close(w);
    assert_true(count_files(*state) < 16);
    w = open_log(*state);
    uint64_t first, last, epoch;
    wal_range(w, 1, &first, &last, &epoch);
    assert_int_equal(last, 3000);
    assert_true(first <= 2951 && first > 2000);
    for (uint64_t lsn = first; lsn <= last; lsn++)
        check_entry(w, 1, lsn, 1);
    wal_close(w);
}

/* A region that releases nothing holds its segments back, and is named as the one that does. */
static void pressure_names_who_holds_back(void **state)
{
    struct wal *w = open_log(*state);
    append(w, 7, 1, 1);
    for (uint64_t lsn = 1; lsn <= 500; lsn++) {
        ok(wal_sync(w, append(w, 8, lsn, 1)));
        wal_release(w, 8, lsn);
    }
    uint64_t regions[4], bytes;
    assert_int_equal(wal_pressure(w, regions, 4, &bytes), 1);
    assert_int_equal(regions[0], 7);
    assert_true(bytes > 4 * SEGMENT);
    check_entry(w, 8, 1, 1); /* still there for whoever lags behind */
    wal_release(w, 7, 1);
    append(w, 8, 501, 1);
    ok(wal_sync(w, UINT64_MAX));
    assert_int_equal(wal_pressure(w, regions, 4, &bytes), 1);
    assert_int_equal(regions[0], 8);
    assert_true(bytes <= 2 * SEGMENT);
    wal_close(w);
}

/* An entry whose replacement is not on disk yet keeps its segment: a crash now would lose both. */
static void replaced_entries_stay_until_synced(void **state)
{
    struct wal *w = open_log(*state);
    uint64_t position = append(w, 1, 1, 1), lsn = 1;
    for (lsn = 1; w->active.len < 2; lsn++)
        position = append(w, 2, lsn, 1);
    ok(wal_sync(w, position));
    append(w, 2, lsn, 1);
    ok(wal_sync(w, UINT64_MAX));
    wal_release(w, 2, lsn);
    position = append(w, 1, 1, 2); /* takes the first segment's last live entry */
    assert_int_equal(w->active.items[0]->live, 0);
    wal_release(w, 2, lsn);
    pthread_mutex_lock(&w->lock);
    wal__retire(w);
    pthread_mutex_unlock(&w->lock);
    assert_int_equal(w->active.items[0]->number, 1);
    ok(wal_sync(w, position));
    assert_int_not_equal(w->active.items[0]->number, 1);
    wal_close(w);
}

/* ---- crashes and torn writes ---------------------------------------------------------------- */

static int no_fsync(int fd)
{
    return 0;
}

/* A tear at any byte of the last write loses that write only, and the log goes on behind it. */
static void torn_tail_is_cut_at_every_byte(void **state)
{
    wal__io.fsync = no_fsync;
    struct wal *w = open_log(*state);
    for (uint64_t lsn = 1; lsn <= 20; lsn++)
        ok(wal_sync(w, append(w, 1, lsn, 1)));
    size_t before = w->tail;
    append(w, 1, 21, 1);
    append(w, 1, 22, 1);
    ok(wal_sync(w, UINT64_MAX));
    size_t after = w->tail;
    wal_close(w);
    char *path = log_path(*state, 1), *image;
    size_t len = load_file(path, &image);
    char *torn = mem_alloc(len);
    for (size_t at = before; at < after; at++) {
        memcpy(torn, image, len);
        memset(torn + at, at % 2 ? 0xa5 : 0, len - at);
        save_file(path, torn, len);
        w = open_log(*state);
        uint64_t first, last, epoch;
        wal_range(w, 1, &first, &last, &epoch);
        /* the last bytes are padding */
        assert_true(last == 20 || last == 21 || (last == 22 && at + WAL_ALIGN > after));
        check_entry(w, 1, last, 1);
        ok(wal_sync(w, append(w, 1, last + 1, 9)));
        wal_close(w);
        w = open_log(*state);
        check_range(w, 1, 1, last + 1);
        check_entry(w, 1, last + 1, 9);
        wal_close(w);
    }
    mem_free(torn);
    mem_free(image);
    mem_free(path);
}

/* Pages of a torn write that did reach the disk don't come back behind later appends. */
static void remains_of_a_torn_write_are_gone(void **state)
{
    struct wal *w = open_log(*state);
    ok(wal_sync(w, append(w, 1, 1, 1)));
    size_t from = w->tail;
    for (uint64_t lsn = 2; lsn <= 40; lsn++)
        append(w, 1, lsn, 1);
    ok(wal_sync(w, UINT64_MAX));
    wal_close(w);
    flip_byte(*state, 1, from + WAL_HEADER + 60); /* in the first record of the second write */
    w = open_log(*state);
    check_range(w, 1, 1, 1);
    wal_close(w);
    char *path = log_path(*state, 1), *image;
    size_t len = load_file(path, &image);
    for (size_t i = from + WAL_HEADER; i < len; i++) /* the batch record is whole */
        assert_int_equal(image[i], 0);
    mem_free(image);
    mem_free(path);
}

struct shared {
    _Atomic uint64_t synced[4]; /* by region: what the child knows to be on disk */
};

static void write_until_killed(const char *dir, struct shared *s, uint64_t epoch)
{
    struct wal *w = open_log(dir);
    uint64_t next[4];
    for (uint64_t g = 0; g < 4; g++) {
        uint64_t first, last, e;
        wal_range(w, g + 1, &first, &last, &e);
        if (last < s->synced[g])
            _exit(3);
        next[g] = last + 1;
    }
    struct rng r;
    rng_seed(&r, epoch);
    for (;;) {
        uint64_t position = 0;
        for (uint64_t n = 1 + rng_below(&r, 8); n; n--) {
            uint64_t g = rng_below(&r, 4);
            position = append(w, g + 1, next[g]++, 1);
        }
        ok(wal_sync(w, position));
        for (uint64_t g = 0; g < 4; g++) {
            s->synced[g] = next[g] - 1;
            if (next[g] > 60)
                wal_release(w, g + 1, next[g] - 60);
        }
    }
}

/* A writer killed at random times: every synced entry is there when the log is opened again. */
static void synced_entries_survive_sigkill(void **state)
{
    struct shared *s =
        mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct rng r;
    rng_seed(&r, 42);
    for (uint64_t round = 0; round < 15; round++) {
        pid_t child = fork();
        if (child == 0)
            write_until_killed(*state, s, round + 1);
        sleep_ms((unsigned)(20 + rng_below(&r, 60)));
        kill(child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        struct wal *w = open_log(*state);
        for (uint64_t g = 0; g < 4; g++) {
            uint64_t first, last, epoch;
            wal_range(w, g + 1, &first, &last, &epoch);
            assert_true(last >= s->synced[g]);
            for (uint64_t lsn = first; lsn <= last; lsn++)
                check_entry(w, g + 1, lsn, 1);
        }
        wal_close(w);
    }
    assert_true(s->synced[0] > 100);
    munmap(s, sizeof(*s));
}

/* A spare's name may not have got to the disk before the process ended: opening sees to that,
 * before anything is written there. */
static int directory_syncs;

static int count_directory_syncs(int fd)
{
    struct stat st;
    directory_syncs += fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
    return fsync(fd);
}

static void opening_syncs_names(void **state)
{
    struct wal *w = open_log(*state);
    append(w, 1, 1, 1);
    wal_close(w);
    wal__io.fsync = count_directory_syncs;
    directory_syncs = 0;
    w = open_log(*state);
    assert_true(directory_syncs > 0);
    wal_close(w);
}

/* ---- damage --------------------------------------------------------------------------------- */

static struct wal *open_damaged(const char *dir, uint64_t *regions, size_t *ret_n)
{
    struct wal_options options = {.segment_bytes = SEGMENT};
    struct wal *w = NULL;
    uint64_t *list;
    ok(wal_open(dir, &options, NULL, NULL, &w, &list, ret_n));
    for (size_t i = 0; i < *ret_n; i++)
        regions[i] = list[i];
    mem_free(list);
    return w;
}

/* A bad record with later ones behind it is damage: the file is named, its region is listed and
 * holds nothing, the others keep all; opened again, the log is clean. */
static void damage_before_the_tail_is_told(void **state)
{
    struct wal *w = open_log(*state);
    size_t at = 0;
    for (uint64_t lsn = 1; lsn <= 20; lsn++)
        for (uint64_t region = 1; region <= 3; region++) {
            if (region == 2 && lsn == 10)
                at = w->tail;
            ok(wal_sync(w, append(w, region, lsn, 1)));
        }
    wal_close(w);
    flip_byte(*state, 1, at + WAL_HEADER + 20);

    struct error *e = wal_open(*state, NULL, NULL, NULL, &w, NULL, NULL);
    assert_true(error_is(e, E_DAMAGED));
    assert_non_null(strstr(e->message, "0000000001.log"));
    assert_non_null(strstr(e->detail, ": 2."));
    assert_non_null(e->hint);
    error_free(e);

    uint64_t damaged[4];
    size_t n;
    w = open_damaged(*state, damaged, &n);
    assert_int_equal(n, 1);
    assert_int_equal(damaged[0], 2);
    check_range(w, 2, 1, 0);
    for (uint64_t lsn = 1; lsn <= 20; lsn++) {
        check_entry(w, 1, lsn, 1);
        check_entry(w, 3, lsn, 1);
    }
    append(w, 2, 50, 2);
    wal_close(w);

    w = open_damaged(*state, damaged, &n);
    assert_int_equal(n, 0);
    check_range(w, 2, 50, 50);
    check_range(w, 1, 1, 20);
    wal_close(w);
}

/* Damage that was dealt with is not told again, even when the records before it have gone and those
 * behind it link to nothing any more; new damage is. */
static void settled_damage_stays_settled(void **state)
{
    struct wal *w = open_log(*state);
    uint64_t lsn = 1, damaged[4];
    size_t at, n;
    for (; w->active.len < 3; lsn++)
        append(w, 1, lsn, 1);
    at = w->tail;
    ok(wal_sync(w, append(w, 2, 1, 1)));
    ok(wal_sync(w, append(w, 1, lsn++, 1)));
    wal_close(w);
    flip_byte(*state, 3, at + WAL_HEADER + 5);

    w = open_damaged(*state, damaged, &n);
    assert_int_equal(n, 0); /* whose every record is gone can't be known */
    assert_true(wal_is_damaged(w));
    wal_close(w); /* not dealt with */
    w = open_damaged(*state, damaged, &n);
    assert_true(wal_is_damaged(w));
    ok(wal_settle(w));
    assert_false(wal_is_damaged(w));
    wal_release(w, 1, lsn - 2); /* the first two segments go */
    for (int i = 0; i < 1000 && w->active.items[0]->number < 3; i++)
        sleep_ms(2);
    append(w, 1, lsn, 1);
    wal_close(w);

    w = open_damaged(*state, damaged, &n);
    assert_int_equal(n, 0);
    assert_false(wal_is_damaged(w));
    check_entry(w, 1, lsn - 1, 1);
    check_entry(w, 1, lsn, 1);
    wal_close(w);

    flip_byte(*state, 3, WAL_HEADER + 5);
    w = open_damaged(*state, damaged, &n);
    assert_true(wal_is_damaged(w));
    wal_close(w);
}

/* A lost segment in the middle is damage too; a region that lies wholly behind it, or that says so
 * by its chain, is not. */
static void missing_segment_is_damage(void **state)
{
    struct wal *w = open_log(*state);
    uint64_t lsn = 1;
    append(w, 1, 1, 1);
    for (; w->active.len < 4; lsn++)
        append(w, 2, lsn, 1);
    append(w, 1, 2, 1);
    append(w, 3, 1, 1);
    wal_close(w);
    char *path = log_path(*state, 2);
    assert_int_equal(unlink(path), 0);
    mem_free(path);
    struct error *e = wal_open(*state, NULL, NULL, NULL, &w, NULL, NULL);
    assert_true(error_is(e, E_DAMAGED));
    assert_non_null(strstr(e->message, "0000000002.log\" is missing"));
    error_free(e);
    uint64_t damaged[4];
    size_t n;
    w = open_damaged(*state, damaged, &n);
    assert_int_equal(n, 1);
    assert_int_equal(damaged[0], 2);
    check_range(w, 1, 1, 2);
    check_range(w, 3, 1, 1);
    wal_close(w);
}

/* A page that is lost at a segment's end is damage, though nothing follows it in that file. */
static void lost_end_of_a_segment_is_damage(void **state)
{
    struct wal *w = open_log(*state);
    for (uint64_t lsn = 1; w->active.len < 2; lsn++)
        ok(wal_sync(w, append(w, 1, lsn, 1)));
    wal_close(w);
    char *path = log_path(*state, 1), *image;
    size_t len = load_file(path, &image);
    memset(image + len - WAL_PAGE, 0, WAL_PAGE);
    save_file(path, image, len);
    mem_free(image);
    mem_free(path);
    fails(wal_open(*state, NULL, NULL, NULL, &w, NULL, NULL), E_DAMAGED);
    uint64_t damaged[4];
    size_t n;
    w = open_damaged(*state, damaged, &n);
    assert_int_equal(n, 1);
    check_range(w, 1, 1, 0);
    wal_close(w);
}

/* A log file that somebody cut short is damage and is made whole again. */
static void shortened_file_is_damage(void **state)
{
    struct wal *w = open_log(*state);
    ok(wal_sync(w, append(w, 1, 1, 1)));
    size_t tail = w->tail;
    ok(wal_sync(w, append(w, 1, 2, 1)));
    wal_close(w);
    char *path = log_path(*state, 1);
    assert_int_equal(truncate(path, (off_t)tail + 13), 0);
    mem_free(path);
    fails(wal_open(*state, NULL, NULL, NULL, &w, NULL, NULL), E_DAMAGED);
    uint64_t damaged[4];
    size_t n;
    w = open_damaged(*state, damaged, &n);
    assert_int_equal(n, 1);
    for (uint64_t lsn = 1; lsn <= 200; lsn++)
        ok(wal_sync(w, append(w, 1, lsn, 2)));
    wal_close(w);
    w = open_log(*state);
    check_range(w, 1, 1, 200);
    wal_close(w);
}

/* A file of a newer format is left alone, with an error that says what to do. */
static void newer_format_is_refused(void **state)
{
    struct wal *w = open_log(*state);
    ok(wal_sync(w, append(w, 1, 1, 1)));
    wal_close(w);
    char *path = log_path(*state, 1), *image;
    size_t len = load_file(path, &image);
    for (size_t at = 0; at < len; at += WAL_ALIGN)
        if (memcmp(image + at, "MSL", 3) == 0)
            image[at + 3] = WAL_FORMAT + 1;
    save_file(path, image, len);
    struct error *e = wal_open(*state, NULL, NULL, NULL, &w, NULL, NULL);
    assert_true(error_is(e, E_UNSUPPORTED));
    assert_non_null(strstr(e->message, "0000000001.log"));
    assert_non_null(e->hint);
    error_free(e);
    char *again;
    load_file(path, &again);
    assert_memory_equal(image, again, len);
    mem_free(again);
    mem_free(image);
    mem_free(path);
}

/* One record that looks like another format's, among ours, is damage: the log opens without it. */
static void one_bad_magic_is_no_format(void **state)
{
    struct wal *w = open_log(*state);
    ok(wal_sync(w, append(w, 1, 1, 1)));
    ok(wal_sync(w, append(w, 2, 1, 1)));
    wal_close(w);
    char *path = log_path(*state, 1), *image;
    size_t len = load_file(path, &image);
    image[3] ^= 0x40;
    save_file(path, image, len);
    uint64_t *damaged = NULL;
    size_t n = 0;
    ok(wal_open(*state, NULL, NULL, NULL, &w, &damaged, &n));
    wal_close(w);
    mem_free(damaged);
    mem_free(image);
    mem_free(path);
}

/* Without a thread, spares are made by whoever runs out of them, and by wal_keep. */
static void works_without_thread(void **state)
{
    struct wal_options options = {.segment_bytes = SEGMENT, .no_thread = true};
    struct wal *w;
    uint64_t bytes;
    ok(wal_open(*state, &options, NULL, NULL, &w, NULL, NULL));
    for (uint64_t lsn = 1; lsn <= 500; lsn++)
        ok(wal_sync(w, append(w, 1, lsn, 1)));
    check_entry(w, 1, 1, 1);
    wal_release(w, 1, 500);
    while (wal_keep(w)) {
    }
    wal_pressure(w, NULL, 0, &bytes);
    assert_true(bytes <= SEGMENT);
    wal_close(w);
    w = open_log(*state);
    check_entry(w, 1, 500, 1);
    wal_close(w);
}

/* Bytes that are damaged anywhere, in any number, never crash opening, and what is read is true. */
static void random_damage_never_lies(void **state)
{
    wal__io.fsync = no_fsync;
    struct wal *w = open_log(*state);
    for (uint64_t lsn = 1; lsn <= 60; lsn++)
        for (uint64_t region = 1; region <= 3; region++)
            append(w, region, lsn, 1);
    wal_close(w);
    char *images[4];
    size_t len = 0;
    for (unsigned i = 0; i < 4; i++) {
        char *path = log_path(*state, i + 1);
        len = load_file(path, &images[i]);
        mem_free(path);
    }
    struct rng r;
    rng_seed(&r, 7);
    for (int round = 0; round < 60; round++) {
        for (unsigned i = 0; i < 4; i++) {
            char *path = log_path(*state, i + 1);
            save_file(path, images[i], len);
            mem_free(path);
        }
        for (uint64_t n = 1 + rng_below(&r, 4); n; n--)
            flip_byte(*state, (unsigned)(1 + rng_below(&r, 3)), (size_t)rng_below(&r, len));
        uint64_t damaged[4];
        size_t n;
        w = open_damaged(*state, damaged, &n);
        for (uint64_t region = 1; region <= 3; region++) {
            uint64_t first, last, epoch;
            wal_range(w, region, &first, &last, &epoch);
            for (uint64_t lsn = first; lsn <= last; lsn++)
                check_entry(w, region, lsn, 1);
        }
        wal_close(w);
        w = open_damaged(*state, damaged, &n);
        assert_int_equal(n, 0);
        wal_close(w);
        char *command = mem_printf("rm -f %s/*.log", (char *)*state);
        assert_int_equal(system(command), 0);
        mem_free(command);
    }
    for (unsigned i = 0; i < 4; i++)
        mem_free(images[i]);
}

/* ---- failing disks -------------------------------------------------------------------------- */

static _Atomic int writes_left, write_errno; /* set before a log is opened, or between writes */

static ssize_t failing_pwrite(int fd, const void *data, size_t len, off_t offset)
{
    if (writes_left-- > 0)
        return pwrite(fd, data, len, offset);
    errno = write_errno;
    return -1;
}

static void wait_for_spares(struct wal *w)
{
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&w->lock);
        size_t ready = w->ready.len;
        pthread_mutex_unlock(&w->lock);
        if (ready >= w->spares)
            return;
        sleep_ms(5);
    }
    fail();
}

/* After one failed write everything fails with that error, and what was synced before is kept. */
static void failed_write_breaks_the_log(void **state)
{
    writes_left = INT_MAX;
    wal__io.pwrite = failing_pwrite;
    struct wal *w = open_log(*state);
    ok(wal_sync(w, append(w, 1, 1, 1)));
    wait_for_spares(w);
    write_errno = EIO;
    writes_left = 0;
    uint64_t position = append(w, 1, 2, 1);
    fails(wal_sync(w, position), E_IO);
    writes_left = INT_MAX;
    fails(wal_sync(w, position), E_IO);
    struct wal_entry entry = {.region = 1, .lsn = 3, .epoch = 1, .data = ""};
    fails(wal_append(w, &entry, 1, &position), E_IO);
    fails(wal_truncate(w, 1, 0, &position), E_IO);
    check_entry(w, 1, 1, 1);
    wal_close(w);
    w = open_log(*state);
    check_range(w, 1, 1, 1);
    wal_close(w);
}

/* A full disk fails appends that need a new segment, clearly; when there is space again, they work.
 */
static void full_disk_is_told_and_passes(void **state)
{
    writes_left = INT_MAX;
    wal__io.pwrite = failing_pwrite;
    struct wal *w = open_log(*state);
    wait_for_spares(w);
    struct error *e = NULL;
    uint64_t lsn = 1, position = 0;
    char data[1000] = {0};
    struct wal_entry entry = {.region = 1, .epoch = 1, .data = data, .len = sizeof(data)};
    write_errno = ENOSPC;
    writes_left = 0; /* the keeper's; nothing is synced meanwhile */
    for (; !e && lsn < 1000; lsn++) {
        entry.lsn = lsn;
        e = wal_append(w, &entry, 1, &position);
    }
    lsn--;
    assert_true(error_is(e, E_DISK_FULL));
    assert_non_null(e->hint);
    error_free(e);
    writes_left = INT_MAX;
    ok(wal_sync(w, position));
    entry.lsn = lsn;
    ok(wal_append(w, &entry, 1, &position));
    ok(wal_sync(w, position));
    wal_close(w);
    w = open_log(*state);
    check_range(w, 1, 1, lsn);
    wal_close(w);
}

static _Atomic int short_writes;

static ssize_t short_pwrite(int fd, const void *data, size_t len, off_t offset)
{
    if (len > 100) {
        short_writes++;
        len = 100;
    }
    return pwrite(fd, data, len, offset);
}

/* A write that the kernel does in pieces is finished. */
static void short_writes_are_finished(void **state)
{
    struct wal *w = open_log(*state);
    wait_for_spares(w);
    wal__io.pwrite = short_pwrite;
    for (uint64_t lsn = 1; lsn <= 20; lsn++)
        append(w, 1, lsn, 1);
    ok(wal_sync(w, UINT64_MAX));
    assert_true(short_writes > 5);
    wal__io.pwrite = pwrite;
    wal_close(w);
    w = open_log(*state);
    check_range(w, 1, 1, 20);
    wal_close(w);
}

/* A second opener is refused while the first one holds the directory. */
static void directory_is_locked(void **state)
{
    struct wal *w = open_log(*state), *other;
    struct error *e = wal_open(*state, NULL, NULL, NULL, &other, NULL, NULL);
    assert_true(error_is(e, "55006"));
    assert_non_null(strstr(e->hint, "Another minisqld"));
    error_free(e);
    wal_close(w);
    w = open_log(*state);
    wal_close(w);
}

/* A directory that can't be made is an error with its path. */
static void unusable_directory_is_an_error(void **state)
{
    struct wal *w;
    struct error *e = wal_open("/proc/none/wal", NULL, NULL, NULL, &w, NULL, NULL);
    assert_true(error_is(e, E_IO));
    assert_non_null(strstr(e->message, "/proc/none/wal"));
    error_free(e);
}

/* ---- threads -------------------------------------------------------------------------------- */

enum { THREADS = 8, EACH = 150 };

struct job {
    struct wal *w;
    uint64_t region;
};

static void *append_many(void *arg)
{
    struct job *job = arg;
    for (uint64_t lsn = 1; lsn <= EACH; lsn++) {
        ok(wal_sync(job->w, append(job->w, job->region, lsn, 1)));
        check_entry(job->w, job->region, lsn, 1);
        if (lsn > 20) {
            check_entry(job->w, job->region, lsn - 20, 1);
            wal_release(job->w, job->region, lsn - 20);
        }
    }
    return NULL;
}

static _Atomic int log_writes;

static ssize_t counting_pwrite(int fd, const void *data, size_t len, off_t offset)
{
    if (len < SEGMENT)
        log_writes++;
    return pwrite(fd, data, len, offset);
}

/* Threads that append at once share writes, and nothing of theirs is lost or mixed up. */
static void threads_commit_in_groups(void **state)
{
    log_writes = 0;
    wal__io.pwrite = counting_pwrite;
    struct wal *w = open_log(*state);
    pthread_t threads[THREADS];
    struct job jobs[THREADS];
    for (uint64_t i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.w = w, .region = i + 1};
        pthread_create(&threads[i], NULL, append_many, &jobs[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_true(log_writes < THREADS * EACH);
    wal_close(w);
    wal__io = real_io;
    w = open_log(*state);
    for (uint64_t region = 1; region <= THREADS; region++) {
        uint64_t first, last, epoch;
        wal_range(w, region, &first, &last, &epoch);
        assert_int_equal(last, EACH);
        assert_true(first <= EACH - 20 + 1);
        for (uint64_t lsn = first; lsn <= last; lsn++)
            check_entry(w, region, lsn, 1);
    }
    wal_close(w);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(entries_come_back),
        CASE(opening_reports_regions),
        CASE(newer_entries_replace_older_ones),
        CASE(bad_appends_are_refused),
        CASE(reading_has_limits),
        CASE(largest_entries_fit),
        CASE(released_segments_are_recycled),
        CASE(pressure_names_who_holds_back),
        CASE(replaced_entries_stay_until_synced),
        CASE(torn_tail_is_cut_at_every_byte),
        CASE(remains_of_a_torn_write_are_gone),
        CASE(synced_entries_survive_sigkill),
        CASE(opening_syncs_names),
        CASE(damage_before_the_tail_is_told),
        CASE(settled_damage_stays_settled),
        CASE(missing_segment_is_damage),
        CASE(lost_end_of_a_segment_is_damage),
        CASE(shortened_file_is_damage),
        CASE(newer_format_is_refused),
        CASE(one_bad_magic_is_no_format),
        CASE(works_without_thread),
        CASE(random_damage_never_lies),
        CASE(failed_write_breaks_the_log),
        CASE(full_disk_is_told_and_passes),
        CASE(short_writes_are_finished),
        CASE(directory_is_locked),
        CASE(unusable_directory_is_an_error),
        CASE(threads_commit_in_groups),
    };
    return cmocka_run_group_tests_name("wal", tests, NULL, NULL);
}
