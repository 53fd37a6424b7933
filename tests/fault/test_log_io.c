/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log/log.h"
#include "store/conn.h"
#include "support/tk.h"
#include "support/tk_log.h"
#include "support/tk_store.h"
#include "support/tk_vfs.h"

/* Each call of the file system fails in turn, in each way, while a batch is appended, read back, or
 * erased. After that: a code that says so, all of the batch or nothing, and a sound store. */

enum { N_BEFORE = 40, N_BATCH = 20 };

static tk_vfs vfs;

static fbk_store *
open_store(const char *path)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;

    opt.flags = FBK_STORE_CREATE;
    opt.vfs = "tk-log-io";
    return tk_open_with(path, &opt);
}

static fbk_status
do_append(fbk *db)
{
    fbk__batch batch;
    fbk__append_counts counts = {0};
    fbk_status rc;

    fbk__batch_init(&batch, NULL);
    for (uint32_t i = 0; i < N_BATCH; i++) {
        tk_event e = tk_event_make(N_BEFORE + 1 + i);

        tk_batch_add(&batch, &e);
    }
    rc = tk_batch_append(db, &batch, NULL, &counts);
    fbk__batch_free(&batch);
    ck_assert(rc < 0 || counts.added == N_BATCH);
    return rc;
}

static fbk_status
count_event(void *user_data, const fbk__event_view *view)
{
    (void)view;
    ++*(uint64_t *)user_data;
    return FBK_OK;
}

static fbk_status
do_read(fbk *db)
{
    uint64_t n = 0;
    fbk_status rc = fbk__log_each(db, 0, count_event, &n);

    ck_assert(rc < 0 || n == N_BEFORE);
    return rc;
}

static fbk_status
do_erase(fbk *db)
{
    static const uint32_t nodes[] = {1, 2, 3, 4};
    uint64_t n = 0;
    fbk_status rc = fbk__log_erase_nodes(db, nodes, 4, &n);

    ck_assert(rc < 0 || n > 0);
    return rc;
}

static fbk_status (*const works[])(fbk *db) = {do_append, do_read, do_erase};

static bool
is_io_code(fbk_status rc)
{
    return rc == FBK_EIO || rc == FBK_EFULL || rc == FBK_EBUSY || rc == FBK_EDB ||
           rc == FBK_ECORRUPT || rc == FBK_EREADONLY;
}

/* The store at `path` after the work gave `rc`. */
static void
check_after(const char *path, unsigned work, fbk_status rc)
{
    fbk_store *store = open_store(path);
    fbk *db = tk_connect(store);
    fbk__log_counts now;
    uint64_t bad = 0;

    tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &bad));
    tk_assert_ok(db, fbk__log_count(db, &now));
    if (works[work] == do_append)
        ck_assert(now.events == N_BEFORE + N_BATCH || (rc < 0 && now.events == N_BEFORE));
    else if (works[work] == do_erase)
        ck_assert(now.erased > 0 || (rc < 0 && now.events == N_BEFORE));
    else
        ck_assert_uint_eq(now.events, N_BEFORE);
    fbk_close(db);
    fbk_store_close(store);
    tk_store_assert_sound(path);
}

/* One run with the k-th call failing; false when there was no k-th call. */
static bool
run_once(unsigned work, tk_vfs_how how, int64_t k, int persistent)
{
    char name[48];
    const char *path;
    fbk_store *store;
    fbk *db;
    fbk_status rc;
    bool failed;

    (void)snprintf(name, sizeof name, "w%u-%d-%d-%lld", work, (int)how, persistent, (long long)k);
    path = tk_path(name);
    store = open_store(path);
    db = tk_connect(store);
    tk_log_fill(db, 1, N_BEFORE);
    fbk_close(db); /* its page cache must not spare the reads */
    db = tk_connect(store);
    tk_vfs_arm(&vfs, TK_VFS_ALL, how, k, persistent);
    rc = works[work](db);
    failed = vfs.n_failed > 0;
    tk_vfs_arm(&vfs, TK_VFS_ALL, how, -1, 0);
    ck_assert_msg(rc >= 0 || is_io_code(rc), "%s: %s", fbk_status_name(rc), fbk_errmsg(db));
    ck_assert(rc >= 0 || fbk_errmsg(db)[0]);
    ck_assert(rc >= 0 || failed);
    fbk_close(db);
    fbk_store_close(store);
    check_after(path, work, rc);
    (void)unlink(path);
    return failed;
}

START_TEST(every_call_of_the_file_system_may_fail)
{
    unsigned work = (unsigned)_i / (2 * TK_VFS_N_HOW);
    tk_vfs_how how = (tk_vfs_how)(_i / 2 % TK_VFS_N_HOW);
    int64_t k = 0;

    tk_vfs_register(&vfs, "tk-log-io");
    /* A disk that stays broken differs little from one call to the next: every third will do. */
    while (run_once(work, how, k, _i % 2)) {
        k += _i % 2 ? 3 : 1;
        ck_assert_int_lt(k, 5000);
    }
    ck_assert_int_gt(k, 0);
    tk_vfs_unregister(&vfs);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("fault_log_io");
    TCase *tc = tcase_create("fault_log_io");

    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, every_call_of_the_file_system_may_fail, 0,
                        (int)(sizeof works / sizeof works[0]) * 2 * TK_VFS_N_HOW);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
