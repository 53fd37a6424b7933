/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "support/tk.h"
#include "support/tk_scenario.h"
#include "support/tk_vfs.h"

/* Every call that SQLite makes to the operating system fails once, and from then on: with an I/O
 * error, a full disk, half a read or write. FEEDBACK_TEST_FULL=1 tries each one, otherwise a sample. */

enum { SAMPLE = 60 };

static const struct {
    const char *name;
    tk_vfs_how how;
} hows[] = {
    {"EIO", TK_VFS_EIO},
    {"ENOSPC", TK_VFS_FULL},
    {"short", TK_VFS_SHORT},
};

static tk_vfs vfs;

/* ENOSPC from a call that writes nothing is an I/O error or a full disk, as errno still stands. */
static bool
io_allowed(fbk_status code)
{
    switch (vfs.how) {
    case TK_VFS_EIO:
        return code == FBK_EIO;
    case TK_VFS_FULL:
        return code == FBK_EFULL || code == FBK_EIO;
    default:
        return code == FBK_EFULL || code == FBK_EIO || code == FBK_ECORRUPT;
    }
}

static void
io_calm(void)
{
    vfs.fail_at = -1;
}

static int64_t
io_run(const tk_scenario *what, uint32_t ops, tk_vfs_how how, int64_t k, bool persistent,
       int *n_failed)
{
    const char *dir = tk_path("run");
    tk_scenario s = *what;
    tk_alloc memory;
    int64_t n;

    s.path = tk_path("run/store");
    s.allowed = io_allowed;
    s.calm = k >= 0 ? io_calm : NULL;
    s.vfs = "tk-faulty";
    tk_alloc_init(&memory);
    s.allocator = &memory.allocator;
    tk_scenario_prepare(&s, dir, tk_path("base"));
    tk_vfs_arm(&vfs, ops, how, k, persistent);
    s.run(&s);
    n = vfs.n_calls;
    tk_vfs_arm(&vfs, 0, how, -1, 0);
    ck_assert_int_eq(memory.n_live, 0);
    tk_scenario_verify(&s, dir);
    *n_failed = s.n_failed;
    return n;
}

START_TEST(every_call_to_the_system_fails)
{
    const tk_scenario *what = &tk_scenarios[_i / 3];
    tk_vfs_how how = hows[_i % 3].how;
    uint32_t ops = how == TK_VFS_SHORT ? TK_VFS_READ | TK_VFS_WRITE : TK_VFS_ALL;
    int failed = 0;
    int n_runs = 0;
    int n_told = 0;
    int64_t n;
    int64_t step;

    tk_vfs_register(&vfs, "tk-faulty");
    tk_vfs_make_default(&vfs);
    vfs.no_sync = 1; /* a sync that fails is counted all the same */
    tk_scenario_make_base(tk_path("base"));
    n = io_run(what, ops, how, -1, false, &failed);
    ck_assert_int_eq(failed, 0);
    ck_assert_int_gt(n, 0);
    step = getenv("FEEDBACK_TEST_FULL") ? 1 : n / SAMPLE + 1;
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int64_t k = persistent && step > 1 ? step / 2 : 0; k < n; k += step) {
            (void)io_run(what, ops, how, k, persistent, &failed);
            n_runs++;
            n_told += failed > 0;
        }
    }
    (void)printf("%s, %s: %lld calls, %d runs, %d of them failed a call\n", what->name,
                 hows[_i % 3].name, (long long)n, n_runs, n_told);
    ck_assert_int_gt(n_told, 0);
    tk_vfs_unregister(&vfs);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store_io");
    TCase *tc = tcase_create("store_io");

    tcase_set_timeout(tc, 3600);
    tcase_add_loop_test(tc, every_call_to_the_system_fails, 0, 3 * tk_n_scenarios);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
