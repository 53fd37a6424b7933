/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/log.h"
#include "store/sqlite.h"
#include "store/stmt.h"
#include "support/tk.h"
#include "support/tk_log.h"
#include "support/tk_store.h"

/* What a store takes on the disk: the write-ahead log stays small whoever reads, a store whose log
 * is as long as it gets is open at once, and a full disk is told, survived, and written on when
 * there is room again. */

enum { SEED = 20261122, BATCH = 5, MIB = 1 << 20, WAL_MOST = 64 * MIB };

static fbk *
connect_to(const char *path, uint32_t durability, fbk_store **out_store)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;

    opt.durability = durability;
    *out_store = tk_open_with(path, &opt);
    return tk_connect(*out_store);
}

static fbk_status
append(fbk *db, uint32_t first, uint32_t n)
{
    fbk__batch batch;
    fbk__append_counts counts = {0};
    fbk_status rc;

    fbk__batch_init(&batch, NULL);
    for (uint32_t i = 0; i < n; i++) {
        tk_event e = tk_event_make(first + i);

        tk_batch_add(&batch, &e);
    }
    rc = tk_batch_append(db, &batch, NULL, &counts);
    fbk__batch_free(&batch);
    return rc;
}

static int64_t
size_of(const char *path, const char *suffix)
{
    char name[1024];
    struct stat st;

    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &st) == 0 ? (int64_t)st.st_size : 0;
}

static pid_t
start(void (*fn)(const char *path, uint32_t number, int out), const char *path, uint32_t number,
      int out)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        fn(path, number, out); /* never comes back */
    return pid;
}

static void
stop(pid_t pid)
{
    int status = 0;

    (void)kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status), "a process ended by itself with %d", WEXITSTATUS(status));
}

/* -- endless readers --------------------------------------------------------------------------- */

enum { N_WRITERS = 2, N_READERS = 3, COMMITS = 6000, ALL_COMMITS = 100000 };

static fbk_status
ignore_event(void *user_data, const fbk__event_view *view)
{
    (void)user_data;
    (void)view;
    return FBK_OK;
}

static void
write_for_ever(const char *path, uint32_t number, int out)
{
    fbk_store *store;
    fbk *db = connect_to(path, FBK_DURABILITY_NORMAL, &store);
    fbk_status rc = FBK_OK;

    for (uint32_t i = 0; rc >= 0; i++) {
        char c = 0;

        rc = append(db, (i * N_WRITERS + number) * BATCH + 1, BATCH);
        if (write(out, &c, 1) != 1)
            _exit(0);
    }
    (void)fprintf(stderr, "a writer: %s\n", fbk_errmsg(db));
    _exit(1);
}

/* Scans that overlap: the next begins before the one before it has ended, each on a connection of
 * its own, so that somebody reads at every moment; and one that never ends. */
static void
read_for_ever(const char *path, uint32_t number, int out)
{
    fbk__scan_options opt = {
        .from_us = FBK_TIME_NONE, .to_us = FBK_TIME_NONE, .columns = FBK__COL_AMOUNT};
    fbk_store *store;
    fbk *dbs[2] = {connect_to(path, 0, &store), NULL};
    fbk__scan *scans[2] = {NULL, NULL};
    fbk__scan *slow = NULL;
    const fbk__chunk *c;
    fbk_status rc = fbk__log_scan_open(dbs[0], &opt, &slow);

    (void)out;
    dbs[1] = tk_connect(store);
    for (uint32_t i = number; rc >= 0 || rc == FBK_EEXPIRED; i++) {
        rc = fbk__log_scan_open(dbs[i % 2], &opt, &scans[i % 2]);
        if (rc >= 0)
            rc = fbk__log_scan_next(scans[i % 2], &c);
        while (rc == FBK_OK && scans[(i + 1) % 2])
            rc = fbk__log_scan_next(scans[(i + 1) % 2], &c);
        fbk__log_scan_close(scans[(i + 1) % 2]);
        scans[(i + 1) % 2] = NULL;
        if (rc >= 0 && i % 8 == 0)
            rc = fbk__log_each(dbs[i % 2], 0, ignore_event, NULL);
    }
    (void)fprintf(stderr, "a reader: %s\n", fbk_errmsg(dbs[0]));
    _exit(1);
}

START_TEST(the_wal_stays_small_under_endless_readers)
{
    const char *path = tk_path("busy");
    unsigned n = tk_full() ? ALL_COMMITS : COMMITS;
    pid_t pids[N_WRITERS + N_READERS];
    int64_t most = 0;
    int fds[2];

    fbk_store_close(tk_open(path, FBK_STORE_CREATE));
    ck_assert_int_eq(pipe(fds), 0);
    for (uint32_t i = 0; i < N_WRITERS + N_READERS; i++)
        pids[i] = start(i < N_WRITERS ? write_for_ever : read_for_ever, path, i, fds[1]);
    (void)close(fds[1]);
    for (unsigned i = 0; i < n; i++) {
        int64_t size = size_of(path, "-wal");
        char c;

        tk_must(read(fds[0], &c, 1) == 1, "nobody writes any more");
        most = size > most ? size : most;
        tk_must(size <= WAL_MOST, "the WAL has %lld bytes after %u commits", (long long)size, i);
    }
    (void)close(fds[0]);
    for (uint32_t i = 0; i < N_WRITERS + N_READERS; i++)
        (void)kill(pids[i], SIGKILL);
    for (uint32_t i = 0; i < N_WRITERS + N_READERS; i++)
        ck_assert_int_eq(waitpid(pids[i], NULL, 0), pids[i]);
    tk_store_assert_sound(path);
    (void)printf("%u commits under %d endless readers: the WAL had %.1f MiB at most\n", n,
                 N_READERS, (double)most / MIB);
}
END_TEST

/* -- a log as long as it gets ------------------------------------------------------------------ */

/* A read transaction of its own, which no call of the library keeps: the WAL cannot begin anew. */
static void
hold_a_read(const char *path, uint32_t number, int out)
{
    fbk_store *store;
    fbk *db = connect_to(path, 0, &store);
    char c = 0;

    (void)number;
    tk_assert_ok(db, fbk__read_begin(db));
    (void)tk_query_int(db, "SELECT count(*) FROM log_tail");
    if (write(out, &c, 1) == 1)
        (void)pause();
    _exit(0);
}

static void
write_much(const char *path, uint32_t number, int out)
{
    fbk_store *store;
    fbk *db = connect_to(path, FBK_DURABILITY_NORMAL, &store);
    fbk_status rc = FBK_OK;
    char c = 0;

    (void)number;
    for (uint32_t i = 0; rc >= 0 && size_of(path, "-wal") < WAL_MOST; i++)
        rc = append(db, i * 500 + 1, 500);
    if (rc < 0)
        (void)fprintf(stderr, "a writer: %s\n", fbk_errmsg(db));
    else if (write(out, &c, 1) == 1)
        (void)pause();
    _exit(rc < 0);
}

START_TEST(a_long_wal_is_open_at_once)
{
    const char *path = tk_path("long");
    pid_t pids[2];
    int64_t began;
    int64_t took;
    fbk_store *store;
    int fds[2];
    fbk *db;
    char c;

    fbk_store_close(tk_open(path, FBK_STORE_CREATE));
    ck_assert_int_eq(pipe(fds), 0);
    pids[0] = start(hold_a_read, path, 0, fds[1]);
    ck_assert_int_eq(read(fds[0], &c, 1), 1);
    pids[1] = start(write_much, path, 0, fds[1]);
    (void)close(fds[1]);
    ck_assert_int_eq(read(fds[0], &c, 1), 1);
    stop(pids[0]);
    stop(pids[1]);
    ck_assert_int_ge(size_of(path, "-wal"), WAL_MOST);
    began = fbk__now_ns();
    store = tk_open(path, 0);
    db = tk_connect(store);
    tk_must(tk_query_int(db, "SELECT events FROM log_state") > 0, "nothing was stored");
    took = fbk__now_ns() - began;
    (void)printf("open with a WAL of %.1f MiB after a kill: %.0f ms\n",
                 (double)size_of(path, "-wal") / MIB, (double)took / 1e6);
    ck_assert_int_lt(took, INT64_C(10000000000));
    fbk_close(db);
    fbk_store_close(store);
    tk_store_assert_sound(path);
}
END_TEST

/* -- a full disk ------------------------------------------------------------------------------- */

enum { DISK = 32 * MIB, FILLS = 20, ALL_FILLS = 200, UNMOUNTABLE = 77 };

static bool
write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    (void)close(fd);
    return ok;
}

/* A small file system that this process alone sees: as root, or as one in a user namespace. */
static bool
mount_small(const char *where)
{
    char map[64];
    char size[32];

    (void)snprintf(map, sizeof map, "0 %u 1", (unsigned)getuid());
    (void)snprintf(size, sizeof size, "size=%d", DISK);
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || !write_file("/proc/self/uid_map", map))
            return false;
    }
    return mkdir(where, 0700) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", where, "tmpfs", MS_NOSUID | MS_NODEV, size) == 0;
}

/* Take all room but this much. */
static void
ballast(const char *path, uint64_t leave)
{
    struct statvfs fs;
    uint64_t room;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    tk_must(fd >= 0 && fstatvfs(fd, &fs) == 0, "no ballast");
    room = (uint64_t)fs.f_bavail * fs.f_bsize;
    if (room > leave)
        (void)posix_fallocate(fd, 0, (off_t)(room - leave));
    (void)close(fd);
}

static fbk_status
note_event(void *user_data, const fbk__event_view *view)
{
    uint8_t *seen = user_data;
    uint32_t number = tk_event_number(view);

    tk_must(!seen[number], "event %u is there twice", number);
    seen[number] = 1;
    return FBK_OK;
}

/* All batches before `next` are there, whole; the one that failed is not, nor any other. */
static void
check_full(fbk *db, uint32_t next)
{
    uint8_t *seen = calloc((size_t)(next + 1) * BATCH + 2, 1);

    tk_must(seen, "no memory");
    tk_assert_ok(db, fbk__log_each(db, 0, note_event, seen));
    for (uint32_t i = 1; i <= (next + 1) * BATCH; i++)
        tk_must(seen[i] == (i <= next * BATCH), "event %u of %u", i, next * BATCH);
    free(seen);
}

/* Append until the disk is full; gives the number of the batch that found no room. */
static uint32_t
fill(fbk *db, uint32_t next)
{
    fbk_status rc = FBK_OK;

    while (rc >= 0) {
        rc = append(db, next * BATCH + 1, BATCH);
        next += rc >= 0;
        if (rc >= 0 && next % 64 == 0)
            rc = fbk__log_seal(db);
    }
    tk_must(rc == FBK_EFULL, "%s: %s", fbk_status_name(rc), fbk_errmsg(db));
    return next;
}

static void
fill_again_and_again(const char *dir)
{
    unsigned n = tk_full() ? ALL_FILLS : FILLS;
    char path[1024];
    char stone[1024];
    uint32_t next = 0;
    fbk_store *store = NULL;
    fbk__rng rng;
    fbk *db = NULL;

    fbk__rng_seed(&rng, SEED);
    (void)snprintf(stone, sizeof stone, "%s/ballast", dir);
    for (unsigned i = 0; i < n; i++) {
        if (!store || size_of(path, "") > DISK / 2) {
            fbk_close(db);
            fbk_store_close(store);
            (void)snprintf(path, sizeof path, "%s/store-%u", dir, i);
            store = tk_open(path, FBK_STORE_CREATE);
            db = tk_connect(store);
            next = 0;
        }
        ballast(stone, 4096 * (1 + fbk__rng_below(&rng, 300)));
        next = fill(db, next);
        check_full(db, next);
        tk_must(unlink(stone) == 0, "the ballast stays");
        tk_assert_ok(db, append(db, next * BATCH + 1, BATCH));
        next++;
        check_full(db, next);
        if (i % 4 == 3) { /* and so it is for who comes anew */
            fbk_close(db);
            fbk_store_close(store);
            tk_store_assert_sound(path);
            store = tk_open(path, 0);
            db = tk_connect(store);
            check_full(db, next);
        }
    }
    fbk_close(db);
    fbk_store_close(store);
}

START_TEST(a_full_disk_is_told_and_survived)
{
    const char *dir = tk_path("small");
    int status = 0;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (!mount_small(dir))
            _exit(UNMOUNTABLE);
        fill_again_and_again(dir);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == UNMOUNTABLE)
        tk_skip("no small file system may be mounted here");
    ck_assert_msg(status == 0, "it ended with %d", status);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("fault_limits");
    TCase *tc = tcase_create("fault_limits");

    tcase_set_timeout(tc, 3600);
    tcase_add_test(tc, the_wal_stays_small_under_endless_readers);
    tcase_add_test(tc, a_long_wal_is_open_at_once);
    tcase_add_test(tc, a_full_disk_is_told_and_survived);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
