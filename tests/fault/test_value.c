/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/clv.h>
#include <feedback/rfm.h>

#include <string.h>

#include "support/tk.h"
#include "support/tk_log.h"

/* Each allocation of each call over the store fails in turn: the code is FBK_ENOMEM, nothing leaks,
 * outputs stay, and the same call then succeeds. */

#define AS_OF INT64_C(1767225600000000) /* 2026-01-01: after all events */

static tk_alloc alloc;
static fbk_store *store;
static fbk *db;
static struct ArrowArrayStream stream;
static fbk_clv_report report;
static fbk_clv_customer customer;
static fbk_rfm_customer scored;

static void
setup(void)
{
    tk_alloc_init(&alloc);
    store = tk_store_open(":memory:", &alloc.allocator);
    db = tk_store_connect(store);
    tk_log_fill(db, 1, 300);
    tk_assert_ok(db, fbk_clv_train(db, AS_OF, NULL, NULL));
    tk_assert_ok(db, fbk_rfm_train(db, AS_OF, NULL));
}

static void
teardown(void)
{
    fbk_close(db);
    fbk_store_close(store);
    ck_assert_int_eq(alloc.n_live, 0);
}

static fbk_status
call_train(void)
{
    return fbk_clv_train(db, AS_OF, NULL, &report);
}

static fbk_status
call_predict(void)
{
    return fbk_clv_predict(db, AS_OF, NULL, &stream);
}

static fbk_status
call_customer(void)
{
    return fbk_clv_customer_get(db, 1, AS_OF, NULL, &customer);
}

static fbk_status
call_score(void)
{
    return fbk_rfm_score(db, AS_OF, NULL, &stream);
}

static fbk_status
call_cuts(void)
{
    return fbk_rfm_train(db, AS_OF, NULL);
}

static fbk_status
call_scored(void)
{
    return fbk_rfm_customer_get(db, 1, AS_OF, &scored);
}

static fbk_status (*const calls[])(void) = {call_train, call_predict, call_customer,
                                            call_score, call_cuts,    call_scored};

static void
outputs_reset(void)
{
    if (stream.release)
        stream.release(&stream);
    memset(&stream, 0, sizeof stream);
    report = (fbk_clv_report)FBK_CLV_REPORT_INIT;
    customer = (fbk_clv_customer)FBK_CLV_CUSTOMER_INIT;
    scored = (fbk_rfm_customer)FBK_RFM_CUSTOMER_INIT;
}

START_TEST(every_allocation_may_fail)
{
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int64_t k = 0;; k++) {
            fbk_status rc;

            ck_assert_int_lt(k, 3000);
            fbk_close(db); /* and with it what it had cached */
            db = tk_store_connect(store);
            outputs_reset();
            alloc.persistent = persistent;
            alloc.fail_at = alloc.n_calls + k;
            rc = calls[_i]();
            alloc.fail_at = -1;
            if (rc >= 0) {
                ck_assert_int_gt(k, 0);
                break;
            }
            ck_assert_msg(rc == FBK_ENOMEM, "k %d: %s: %s", (int)k, fbk_status_name(rc),
                          fbk_errmsg(db));
            ck_assert_str_eq(fbk_errmsg(db), "out of memory");
            ck_assert_ptr_null(stream.release);
            ck_assert(report.n_customers == 0 && customer.profile == 0 && scored.profile == 0);
            tk_assert_ok(db, calls[_i]());
        }
    }
    outputs_reset();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("fault_value");
    TCase *tc = tcase_create("fault_value");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, every_allocation_may_fail, 0, (int)(sizeof calls / sizeof calls[0]));
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
