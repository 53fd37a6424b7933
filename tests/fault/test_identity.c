/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/identity.h>
#include <feedback/store.h>

#include <string.h>

#include "support/tk.h"
#include "support/tk_log.h"

/* Each allocation of each call fails in turn: the code is FBK_ENOMEM, nothing leaks, outputs stay,
 * the connection can still be used, and repeating the call succeeds. */

static tk_alloc alloc;
static fbk_store *store;
static fbk *db;

static void
setup(void)
{
    tk_alloc_init(&alloc);
    store = tk_store_open(":memory:", &alloc.allocator);
    db = tk_store_connect(store);
    tk_assert_ok(db, fbk_identity_link(db, "email", "a@x.de", "loyalty", "1", 1, NULL));
    tk_assert_ok(db, fbk_identity_link(db, "email", "b@x.de", "loyalty", "2", 2, NULL));
    tk_assert_ok(db, fbk_identity_block(db, "email", "c@x.de", 1));
}

static void
teardown(void)
{
    fbk_close(db);
    fbk_store_close(store);
    ck_assert_int_eq(alloc.n_live, 0);
}

static struct ArrowArrayStream stream;
static fbk_identity_person person;

static fbk_status
call_link(void)
{
    return fbk_identity_link(db, "email", "a@x.de", "cookie", "new", 5, "why");
}

static fbk_status
call_unlink(void)
{
    return fbk_identity_unlink(db, "email", "a@x.de", "loyalty", "1", 5, "why not");
}

static fbk_status
call_who(void)
{
    return fbk_identity_who(db, "email", "a@x.de", FBK_TIME_NONE, &person);
}

static fbk_status
call_who_as_of(void)
{
    return fbk_identity_who(db, "email", "a@x.de", 1, &person);
}

static fbk_status
call_list(void)
{
    return fbk_identity_list(db, 1, FBK_TIME_NONE, &stream);
}

static fbk_status
call_quarantined(void)
{
    return fbk_identity_quarantined(db, &stream);
}

static fbk_status
call_block(void)
{
    return fbk_identity_block(db, "email", "d@x.de", 1);
}

static fbk_status
call_namespace(void)
{
    fbk_identity_namespace options = FBK_IDENTITY_NAMESPACE_INIT;

    options.max_people = 3;
    return fbk_identity_set_namespace(db, "email", &options);
}

static fbk_status (*const calls[])(void) = {
    call_link, call_unlink,      call_who,   call_who_as_of,
    call_list, call_quarantined, call_block, call_namespace,
};

START_TEST(every_allocation_may_fail)
{
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int64_t k = 0;; k++) {
            fbk_status rc;

            ck_assert_int_lt(k, 2000);
            /* Without this the statement and identity caches would answer from the second on. */
            fbk_close(db);
            db = tk_store_connect(store);
            memset(&stream, 0, sizeof stream);
            person = (fbk_identity_person)FBK_IDENTITY_PERSON_INIT;
            tk_assert_ok(db, fbk_identity_set_namespace(db, "cookie", NULL)); /* a new generation */
            alloc.persistent = persistent;
            alloc.fail_at = alloc.n_calls + k;
            rc = calls[_i]();
            alloc.fail_at = -1;
            if (rc >= 0) {
                /* The last two need no memory of ours once their statements are prepared. */
                ck_assert(k > 0 || calls[_i] == call_block || calls[_i] == call_namespace);
                if (stream.release)
                    stream.release(&stream);
                break;
            }
            ck_assert_int_eq(rc, FBK_ENOMEM);
            ck_assert_str_eq(fbk_errmsg(db), "out of memory");
            ck_assert_ptr_null(stream.release);
            ck_assert_uint_eq(person.profile, 0);
            /* And then it works. */
            tk_assert_ok(db, calls[_i]());
            if (stream.release)
                stream.release(&stream);
            person = (fbk_identity_person)FBK_IDENTITY_PERSON_INIT;
        }
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("fault_identity");
    TCase *tc = tcase_create("fault_identity");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, every_allocation_may_fail, 0, (int)(sizeof calls / sizeof calls[0]));
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
