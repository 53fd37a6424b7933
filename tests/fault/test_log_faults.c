/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/tk.h"
#include "support/tk_sqlmem.h"
#include "support/tk_store.h"
#include "support/tk_vfs.h"
#include "support/tk_work.h"

/* Each call of the file system fails in turn, in each way, and each allocation, ours and SQLite's;
 * once, and from then on; while the event log is at work. After that: a code that says so, all of the
 * work done or none of it, a connection that can do it now, and a sound store.
 * FEEDBACK_TEST_FULL=1 tries each call, otherwise a sample. */

enum { SAMPLE = 30 };

typedef enum fault {
    EIO_FAULT,
    FULL_FAULT,
    SHORT_FAULT,
    OUR_MEMORY,
    SQLITE_MEMORY,
    N_FAULTS
} fault;

static const char *const fault_names[] = {"EIO", "ENOSPC", "short", "our memory",
                                          "SQLite's memory"};

static tk_vfs vfs;
static tk_alloc memory;

/* Count from 0 again, and fail the k-th. */
static void
arm(fault what, int64_t k, bool persistent)
{
    if (what == OUR_MEMORY) {
        memory.n_calls = 0;
        memory.fail_at = k;
        memory.persistent = persistent;
    } else if (what == SQLITE_MEMORY) {
        tk_sqlmem_state.n_calls = 0;
        tk_sqlmem_state.fail_at = k;
        tk_sqlmem_state.persistent = persistent;
    } else {
        tk_vfs_how how = what == EIO_FAULT    ? TK_VFS_EIO
                         : what == FULL_FAULT ? TK_VFS_FULL
                                              : TK_VFS_SHORT;

        tk_vfs_arm(&vfs, how == TK_VFS_SHORT ? TK_VFS_READ | TK_VFS_WRITE : TK_VFS_ALL, how, k,
                   persistent);
    }
}

/* How often it was called. */
static int64_t
disarm(fault what)
{
    int64_t n = what == OUR_MEMORY      ? memory.n_calls
                : what == SQLITE_MEMORY ? tk_sqlmem_state.n_calls
                                        : vfs.n_calls;

    arm(what, -1, false);
    return n;
}

static bool
is_allowed(fault what, fbk_status rc)
{
    switch (what) {
    case EIO_FAULT:
        return rc == FBK_EIO;
    case FULL_FAULT:
        return rc == FBK_EFULL || rc == FBK_EIO; /* ENOSPC of a call that writes nothing */
    case SHORT_FAULT:
        return rc == FBK_EFULL || rc == FBK_EIO || rc == FBK_ECORRUPT;
    default:
        return rc == FBK_ENOMEM;
    }
}

static void
copy_file(const char *from, const char *to)
{
    size_t len;
    char *bytes = tk_slurp(from, &len);
    FILE *file = fopen(to, "wb");

    tk_must(file && fwrite(bytes, 1, len, file) == len && fclose(file) == 0, "%s: not written", to);
    free(bytes);
}

/* Nothing of the work lies about. */
static void
check_left(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *entry;

    tk_must(d, "%s: not read", dir);
    while ((entry = readdir(d)) != NULL)
        tk_must(entry->d_name[0] == '.' ||
                    (strncmp(entry->d_name, "store", 5) == 0 && entry->d_type == DT_REG),
                "%s was left", entry->d_name);
    (void)closedir(d);
}

static fbk_store *
open_store(const char *path)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;

    opt.allocator = &memory.allocator;
    opt.cache_kib = 64;
    opt.busy_timeout_ms = 1000;
    return tk_open_with(path, &opt);
}

/* One run with the k-th call failing; how often it was called. */
static int64_t
run_once(const tk_work *work, fault what, int64_t k, bool persistent, fbk_status *out_rc)
{
    const char *path = tk_path("run/store");
    int64_t live = tk_sqlmem_state.n_live;
    fbk_store *store;
    fbk *db;
    fbk_status rc;
    int64_t n;

    copy_file(tk_path("base"), path);
    tk_alloc_init(&memory);
    store = open_store(path);
    db = tk_connect(store);
    arm(what, k, persistent);
    rc = work->run(db);
    *out_rc = rc;
    n = disarm(what);
    tk_must(rc >= 0 || is_allowed(what, rc), "%s: %s", fbk_status_name(rc), fbk_errmsg(db));
    tk_must(rc >= 0 || fbk_errmsg(db)[0], "%s without a message", fbk_status_name(rc));
    tk_work_verify(work, db, rc);
    tk_assert_ok(db, work->run(db)); /* the connection is as good as new */
    tk_work_verify(work, db, FBK_OK);
    fbk_close(db);
    fbk_store_close(store);
    tk_must(memory.n_live == 0, "%lld of our blocks leaked", (long long)memory.n_live);
    tk_must(tk_sqlmem_state.n_live == live || k < 0, "%lld of SQLite's blocks leaked",
            (long long)(tk_sqlmem_state.n_live - live));
    tk_store_assert_sound(path);
    check_left(tk_path("run"));
    return n;
}

START_TEST(whatever_fails_the_log_stays_whole)
{
    const tk_work *work = &tk_works[_i / N_FAULTS];
    fault what = (fault)(_i % N_FAULTS);
    unsigned n_runs = 0;
    unsigned n_failed = 0;
    fbk_status rc;
    int64_t step;
    int64_t n;

    tk_vfs_register(&vfs, "tk-log-faults");
    tk_vfs_make_default(&vfs);
    vfs.no_sync = 1; /* one that fails is counted all the same */
    (void)mkdir(tk_path("run"), 0700);
    tk_work_prepare(work, tk_path("base"));
    (void)run_once(work, what, -1, false, &rc); /* SQLite allocates some things once */
    n = run_once(work, what, -1, false, &rc);
    ck_assert_int_gt(n, 0);
    step = tk_full() ? 1 : n / SAMPLE + 1;
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int64_t k = persistent ? step / 2 : 0; k < n; k += step) {
            tk_trying("%s: %s, call %lld of %lld%s", work->name, fault_names[what], (long long)k,
                      (long long)n, persistent ? " and all after it" : "");
            (void)run_once(work, what, k, persistent, &rc);
            n_runs++;
            n_failed += rc < 0;
        }
    }
    tk_trying(NULL);
    (void)printf("%s, %s: %lld calls, %u runs, %u of them failed\n", work->name, fault_names[what],
                 (long long)n, n_runs, n_failed);
    ck_assert_uint_gt(n_failed, 0);
    tk_vfs_unregister(&vfs);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("fault_log_faults");
    TCase *tc = tcase_create("fault_log_faults");

    tk_sqlmem_install();
    tcase_set_timeout(tc, 3600);
    tcase_add_loop_test(tc, whatever_fails_the_log_stays_whole, 0, N_FAULTS * tk_n_works);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
