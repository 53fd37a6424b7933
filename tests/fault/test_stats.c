/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/stats.h>

#include <string.h>

#include "support/tk.h"
#include "support/tk_log.h"

/* Each allocation of each call fails in turn: the code is FBK_ENOMEM, nothing leaks, outputs stay,
 * and the same call then succeeds. */

static tk_alloc alloc;
static fbk_store *store;
static fbk *db;
static struct ArrowArrayStream stream;
static fbk_stats stats;

static void
setup(void)
{
    tk_alloc_init(&alloc);
    store = tk_store_open(":memory:", &alloc.allocator);
    db = tk_store_connect(store);
    tk_log_fill(db, 1, 300);
}

static void
teardown(void)
{
    fbk_close(db);
    fbk_store_close(store);
    ck_assert_int_eq(alloc.n_live, 0);
}

static fbk_status
call_read(void)
{
    return fbk_stats_read(db, FBK_TIME_NONE, NULL, &stats);
}

static fbk_status
call_kinds(void)
{
    return fbk_stats_kinds(db, FBK_TIME_NONE, NULL, &stream);
}

static fbk_status (*const calls[])(void) = {call_read, call_kinds};

START_TEST(every_allocation_may_fail)
{
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int64_t k = 0;; k++) {
            fbk_status rc;

            ck_assert_int_lt(k, 2000);
            fbk_close(db); /* and with it what it had cached */
            db = tk_store_connect(store);
            memset(&stream, 0, sizeof stream);
            stats = (fbk_stats)FBK_STATS_INIT;
            alloc.persistent = persistent;
            alloc.fail_at = alloc.n_calls + k;
            rc = calls[_i]();
            alloc.fail_at = -1;
            if (rc >= 0) {
                ck_assert_int_gt(k, 0);
                if (stream.release)
                    stream.release(&stream);
                break;
            }
            ck_assert_int_eq(rc, FBK_ENOMEM);
            ck_assert_str_eq(fbk_errmsg(db), "out of memory");
            ck_assert_ptr_null(stream.release);
            ck_assert_uint_eq(stats.n_events, 0);
            tk_assert_ok(db, calls[_i]());
            if (stream.release)
                stream.release(&stream);
        }
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("fault_stats");
    TCase *tc = tcase_create("fault_stats");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, every_allocation_may_fail, 0, (int)(sizeof calls / sizeof calls[0]));
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
