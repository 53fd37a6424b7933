/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */

/* A merge that is killed, or runs out of memory or disk, and is done again, is as one that was not. */

#include <feedback/feedback.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"
#include "log/log.h"
#include "record/identity.h"
#include "support/tk.h"
#include "support/tk_store.h"
#include "support/tk_vfs.h"

enum { SEED = 20261122 };

static const int64_t START = INT64_C(1704067200000000); /* 2024-01-01 */

/* -- two stores that disagree ------------------------------------------------------------------ */

static void
put(fbk *db, uint32_t number, uint32_t version)
{
    const char *spaces[] = {"email", "cookie"};
    char email[32];
    char cookie[32];
    char id[32];
    char item[32];
    const char *values[] = {email, cookie};
    const char *items[] = {item};
    const int64_t price[] = {1000000 + version};
    fbk_event e = FBK_EVENT_INIT;

    (void)snprintf(id, sizeof id, "till-%06u", number);
    (void)snprintf(email, sizeof email, "p%u@example.com", number % 17);
    (void)snprintf(cookie, sizeof cookie, "c%u", number % 31);
    (void)snprintf(item, sizeof item, "sku%u", number % 13);
    e.event_id = id;
    e.kind = "sale";
    e.source = "till";
    e.place = "P1";
    e.occurred_us = START + (int64_t)number * 1000000;
    e.n_lines = 1;
    e.items = items;
    e.unit_price_micro = price;
    e.n_identifiers = 2;
    e.namespaces = spaces;
    e.values = values;
    ck_assert_msg(fbk_event_append(db, &e, NULL) >= 0, "%s", fbk_errmsg(db));
}

static fbk_store *
store_at(const char *path, const fbk_allocator *allocator, const char *vfs)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;

    options.flags = FBK_STORE_CREATE;
    options.durability = FBK_DURABILITY_NORMAL;
    options.allocator = allocator;
    options.vfs = vfs;
    return tk_open_with(path, &options);
}

/* The side that is merged into, or the one that is merged. */
static void
fill(fbk *db, uint32_t side, uint32_t n)
{
    fbk_item item = FBK_ITEM_INIT;
    fbk_place place = FBK_PLACE_INIT;
    uint32_t node = 0;
    uint64_t erased = 0;

    for (uint32_t i = 0; i < n; i++)
        put(db, i * 2 + side, 0); /* its own */
    for (uint32_t i = 0; i < n; i += 9)
        put(db, 500000 + i, side); /* of both, in two versions */
    item.sku = "sku1";
    item.name = side ? "tea" : "coffee";
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    place.code = "P1";
    place.name = side ? "here" : "there";
    tk_assert_ok(db, fbk_place_upsert(db, &place));
    tk_assert_ok(db, fbk_stock_set(db, "sku1", "P1", 1000, START + side));
    ck_assert_int_ge(fbk_identity_link(db, "email", "p2@example.com", "email", "p4@example.com",
                                       START + side, NULL),
                     0);
    tk_assert_ok(
        db, fbk__identity_node(db, "email", side ? "p3@example.com" : "p5@example.com", &node));
    tk_assert_ok(db, fbk__log_erase_nodes(db, &node, 1, &erased));
}

static char *
lines_of(fbk *db)
{
    fbk_export_options options = FBK_EXPORT_OPTIONS_INIT;
    const char *path = tk_path("lines.jsonl");
    size_t len;

    options.format = FBK_EXPORT_LINES;
    options.flags = FBK_EXPORT_EVERYTHING | FBK_EXPORT_OVERWRITE;
    tk_assert_ok(db, fbk_export_file(db, path, &options, NULL));
    return tk_slurp(path, &len);
}

/* A store of one side as a file, its bundle as another. */
typedef struct sides {
    char into[512]; /* store */
    char from[512]; /* bundle */
    char *want;     /* lines of an undisturbed merge */
} sides;

static void
copy_file(const char *from, const char *to)
{
    char command[1200];

    (void)snprintf(command, sizeof command, "cp '%s' '%s'", from, to);
    ck_assert_int_eq(system(command), 0);
}

static void
sides_make(sides *s, uint32_t n)
{
    char other[512];

    (void)snprintf(s->into, sizeof s->into, "%s", tk_path("into.db"));
    (void)snprintf(s->from, sizeof s->from, "%s", tk_path("from.fbk"));
    (void)snprintf(other, sizeof other, "%s", tk_path("other.db"));
    for (uint32_t side = 0; side < 2; side++) {
        fbk_store *store = store_at(side ? other : s->into, NULL, NULL);
        fbk *db = tk_connect(store);

        fill(db, side, n);
        if (side)
            tk_assert_ok(db, fbk_export_file(db, s->from, NULL, NULL));
        fbk_close(db);
        fbk_store_close(store);
    }
    copy_file(s->into, other);
    {
        fbk_store *store = store_at(other, NULL, NULL);
        fbk *db = tk_connect(store);
        fbk_merge_report report = FBK_MERGE_REPORT_INIT;

        tk_assert_ok(db, fbk_merge_file(db, s->from, NULL, &report));
        ck_assert_uint_gt(report.events_added, 0);
        ck_assert_uint_gt(report.events_replaced, 0);
        ck_assert_uint_gt(report.events_dropped, 0);
        ck_assert_uint_gt(report.events_erased, 0);
        s->want = lines_of(db);
        fbk_close(db);
        fbk_store_close(store);
    }
}

/* Merge once more with nothing in the way: the same as if nothing ever had been. */
static void
assert_completes(const sides *s, fbk *db, const char *what)
{
    char *got;

    tk_assert_ok(db, fbk_merge_file(db, s->from, NULL, NULL));
    tk_assert_ok(db, fbk_event_check(db, NULL, NULL, NULL));
    got = lines_of(db);
    ck_assert_msg(strcmp(got, s->want) == 0, "%s: another result", what);
    free(got);
}

/* -- killed ------------------------------------------------------------------------------------ */

static void
merge_and_exit(const sides *s, const char *path)
{
    fbk_store *store = store_at(path, NULL, NULL);
    fbk *db = tk_connect(store);

    _exit(fbk_merge_file(db, s->from, NULL, NULL) < 0);
}

START_TEST(a_killed_merge_is_done_again)
{
    int rounds = getenv("FEEDBACK_TEST_FULL") ? 300 : 12;
    char path[512];
    int n_killed = 0;
    fbk__rng rng;
    sides s;

    sides_make(&s, 3000);
    fbk__rng_seed(&rng, SEED);
    (void)snprintf(path, sizeof path, "%s", tk_path("killed.db"));
    for (int i = 0; i < rounds; i++) {
        char what[32];

        copy_file(s.into, path);
        for (int k = 0; k < 3; k++) {
            pid_t child = fork();
            int status = 0;

            ck_assert_int_ge(child, 0);
            if (child == 0)
                merge_and_exit(&s, path);
            (void)usleep((useconds_t)fbk__rng_below(&rng, 120000));
            (void)kill(child, SIGKILL);
            ck_assert_int_eq(waitpid(child, &status, 0), child);
            n_killed += WIFSIGNALED(status);
            ck_assert_msg(WIFSIGNALED(status) || WEXITSTATUS(status) == 0, "the merge failed");
        }
        {
            fbk_store *store = store_at(path, NULL, NULL);
            fbk *db = tk_connect(store);

            (void)snprintf(what, sizeof what, "round %d", i);
            assert_completes(&s, db, what);
            fbk_close(db);
            fbk_store_close(store);
        }
    }
    ck_assert_int_gt(n_killed, 0);
    free(s.want);
}
END_TEST

/* -- without memory ---------------------------------------------------------------------------- */

START_TEST(every_allocation_fails)
{
    int64_t step = getenv("FEEDBACK_TEST_FULL") ? 1 : 23;
    char path[512];
    bool done = false;
    tk_alloc a;
    sides s;

    sides_make(&s, 40);
    (void)snprintf(path, sizeof path, "%s", tk_path("oom.db"));
    for (int64_t k = 0; !done; k += step) {
        fbk_merge_report report = FBK_MERGE_REPORT_INIT;
        fbk_store *store;
        fbk_status rc;
        fbk *db;

        copy_file(s.into, path);
        tk_alloc_init(&a);
        store = store_at(path, &a.allocator, NULL);
        db = tk_connect(store);
        a.n_calls = 0;
        a.fail_at = k;
        rc = fbk_merge_file(db, s.from, NULL, &report);
        done = a.n_calls <= k;
        a.fail_at = -1;
        ck_assert_msg(done ? rc >= 0 : rc == FBK_ENOMEM || rc == FBK_OK, "allocation %lld: %s: %s",
                      (long long)k, fbk_status_name(rc), fbk_errmsg(db));
        if (rc < 0)
            ck_assert_uint_eq(report.events_added, 0);
        if (k / step % 16 == 0 || done)
            assert_completes(&s, db, "without memory");
        fbk_close(db);
        fbk_store_close(store);
        ck_assert_int_eq(a.n_live, 0);
    }
    free(s.want);
}
END_TEST

/* The same for what an export allocates. */
START_TEST(every_allocation_of_an_export_fails)
{
    int64_t step = getenv("FEEDBACK_TEST_FULL") ? 1 : 7;
    tk_alloc a;
    fbk_store *store;
    fbk *db;

    tk_alloc_init(&a);
    store = store_at(":memory:", &a.allocator, NULL);
    db = tk_connect(store);
    fill(db, 0, 40);
    for (uint32_t format = 0; format < 2; format++) {
        bool done = false;

        for (int64_t k = 0; !done; k += step) {
            fbk_export_options options = FBK_EXPORT_OPTIONS_INIT;
            fbk_export_report report = FBK_EXPORT_REPORT_INIT;
            fbk_status rc;

            options.format = format;
            options.flags = FBK_EXPORT_EVERYTHING;
            a.n_calls = 0;
            a.fail_at = k;
            rc = fbk_export_file(db, tk_path("out"), &options, &report);
            done = a.n_calls <= k;
            a.fail_at = -1;
            ck_assert_msg(rc == FBK_OK || rc == FBK_ENOMEM, "allocation %lld: %s", (long long)k,
                          fbk_errmsg(db));
            ck_assert(!done || rc == FBK_OK);
            ck_assert_int_eq(access(tk_path("out"), F_OK) == 0, rc == FBK_OK);
            (void)unlink(tk_path("out"));
        }
    }
    fbk_close(db);
    fbk_store_close(store);
    ck_assert_int_eq(a.n_live, 0);
}
END_TEST

/* -- without a disk ---------------------------------------------------------------------------- */

START_TEST(every_file_call_fails)
{
    static tk_vfs vfs;
    int64_t step = getenv("FEEDBACK_TEST_FULL") ? 1 : 97;
    char path[512];
    bool done = false;
    sides s;

    sides_make(&s, 40);
    tk_vfs_register(&vfs, "merge-fails");
    (void)snprintf(path, sizeof path, "%s", tk_path("io.db"));
    for (int64_t k = 0; !done; k += step) {
        fbk_store *store;
        fbk_status rc;
        fbk *db;

        copy_file(s.into, path);
        store = store_at(path, NULL, "merge-fails");
        db = tk_connect(store);
        tk_vfs_arm(&vfs, TK_VFS_READ | TK_VFS_WRITE | TK_VFS_SYNC | TK_VFS_TRUNCATE,
                   (tk_vfs_how)(k / step % TK_VFS_N_HOW), k, 0);
        rc = fbk_merge_file(db, s.from, NULL, NULL);
        done = vfs.n_calls <= k;
        tk_vfs_arm(&vfs, 0, TK_VFS_EIO, -1, 0);
        ck_assert_msg(rc >= 0 || rc == FBK_EIO || rc == FBK_EFULL || rc == FBK_ECORRUPT ||
                          rc == FBK_EDB,
                      "call %lld: %s: %s", (long long)k, fbk_status_name(rc), fbk_errmsg(db));
        assert_completes(&s, db, "without a disk");
        fbk_close(db);
        fbk_store_close(store);
    }
    tk_vfs_unregister(&vfs);
    free(s.want);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("fault_merge");
    TCase *t = tcase_create("merge");

    tcase_add_test(t, a_killed_merge_is_done_again);
    tcase_add_test(t, every_allocation_fails);
    tcase_add_test(t, every_allocation_of_an_export_fails);
    tcase_add_test(t, every_file_call_fails);
    tcase_set_timeout(t, getenv("FEEDBACK_TEST_FULL") ? 3600 : 120);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return tk_run(suite());
}
