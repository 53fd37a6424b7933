/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "support/tk.h"
#include "support/tk_scenario.h"
#include "support/tk_sqlmem.h"
#include "support/tk_vfs.h"

/* Every allocation fails once, and from then on; ours and SQLite's. FEEDBACK_TEST_FULL=1 tries each
 * one, otherwise a sample. */

enum { SAMPLE = 150 };

static tk_alloc memory;
static tk_vfs vfs;

static bool
oom_allowed(fbk_status code)
{
    return code == FBK_ENOMEM;
}

static void
oom_calm(void)
{
    memory.fail_at = -1;
    tk_sqlmem_state.fail_at = -1;
}

/* One run with the k-th allocation failing; gives the number of allocations that were asked for. */
static int64_t
oom_run(const tk_scenario *what, bool ours, int64_t k, bool persistent, int *n_failed)
{
    const char *dir = tk_path("run");
    tk_scenario s = *what;
    int64_t live = tk_sqlmem_state.n_live;
    int64_t n;

    s.path = tk_path("run/store");
    s.allowed = oom_allowed;
    s.calm = k >= 0 ? oom_calm : NULL;
    tk_scenario_prepare(&s, dir, tk_path("base"));
    tk_alloc_init(&memory);
    s.allocator = &memory.allocator;
    tk_sqlmem_state.n_calls = 0;
    if (ours) {
        memory.fail_at = k;
        memory.persistent = persistent;
    } else {
        tk_sqlmem_state.fail_at = k;
        tk_sqlmem_state.persistent = persistent;
    }
    s.run(&s);
    n = ours ? memory.n_calls : tk_sqlmem_state.n_calls;
    oom_calm();
    ck_assert_msg(memory.n_live == 0, "%s: %lld of our blocks leaked at allocation %lld", s.name,
                  (long long)memory.n_live, (long long)k);
    ck_assert_msg(tk_sqlmem_state.n_live == live, "%s: %lld of SQLite's blocks leaked at %lld",
                  s.name, (long long)(tk_sqlmem_state.n_live - live), (long long)k);
    tk_scenario_verify(&s, dir);
    *n_failed = s.n_failed;
    return n;
}

static void
oom_loop(const tk_scenario *what, bool ours)
{
    int failed = 0;
    int n_runs = 0;
    int n_told = 0;
    int64_t n;
    int64_t step;

    tk_vfs_register(&vfs, "tk-lazy");
    tk_vfs_make_default(&vfs);
    vfs.no_sync = 1;
    tk_scenario_make_base(tk_path("base"));
    (void)oom_run(what, ours, -1, false, &failed); /* SQLite allocates some things once */
    n = oom_run(what, ours, -1, false, &failed);
    ck_assert_int_eq(failed, 0);
    ck_assert_int_gt(n, 0);
    step = getenv("FEEDBACK_TEST_FULL") ? 1 : n / SAMPLE + 1;
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int64_t k = persistent && step > 1 ? step / 2 : 0; k < n; k += step) {
            (void)oom_run(what, ours, k, persistent, &failed);
            n_runs++;
            n_told += failed > 0;
        }
    }
    (void)printf("%s: %lld allocations of %s, %d runs, %d of them failed a call\n", what->name,
                 (long long)n, ours ? "ours" : "SQLite's", n_runs, n_told);
    ck_assert_int_gt(n_told, 0);
    tk_vfs_unregister(&vfs);
}

START_TEST(our_allocations_fail)
{
    oom_loop(&tk_scenarios[_i], true);
}
END_TEST

START_TEST(sqlites_allocations_fail)
{
    oom_loop(&tk_scenarios[_i], false);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store_oom");
    TCase *tc = tcase_create("store_oom");

    tk_sqlmem_install();
    tcase_set_timeout(tc, 3600);
    tcase_add_loop_test(tc, our_allocations_fail, 0, tk_n_scenarios);
    tcase_add_loop_test(tc, sqlites_allocations_fail, 0, tk_n_scenarios);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
