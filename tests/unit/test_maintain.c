/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/log.h"
#include "store/conn.h"
#include "support/tk.h"
#include "support/tk_log.h"
#include "support/tk_store.h"

enum { SEALS = 12, N_EACH = 300, N_ALL = SEALS * N_EACH };

static char path[512];
static fbk_store *store;
static fbk *db;

static void
setup(void)
{
    (void)snprintf(path, sizeof path, "%s", tk_path("maintain"));
    store = tk_store_open(path, NULL);
    db = tk_store_connect(store);
}

static void
teardown(void)
{
    fbk_close(db);
    fbk_store_close(store);
}

static void
fill(void)
{
    for (uint32_t i = 0; i < SEALS; i++) {
        tk_log_fill(db, 1 + i * N_EACH, N_EACH);
        tk_assert_ok(db, fbk__log_seal(db));
    }
    tk_log_fill(db, N_ALL + 1, 7); /* and a tail */
}

static void
assert_whole(uint64_t n_events)
{
    fbk__log_counts now;
    uint64_t bad = 77;

    tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &bad));
    ck_assert_uint_eq(bad, 0);
    tk_assert_ok(db, fbk__log_count(db, &now));
    ck_assert_uint_eq(now.events, n_events);
    for (uint32_t i = 1; i <= n_events; i += 331) {
        tk_event e = tk_event_make(i);
        fbk__append_counts counts = {0};
        fbk__batch batch;

        fbk__batch_init(&batch, NULL);
        tk_batch_add(&batch, &e);
        tk_assert_ok(db, tk_batch_append(db, &batch, NULL, &counts));
        ck_assert_uint_eq(counts.already, 1);
        fbk__batch_free(&batch);
    }
}

static int64_t
size_of(const char *suffix)
{
    char name[600];
    struct stat st;

    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &st) == 0 ? (int64_t)st.st_size : -1;
}

static fbk_maintain_result
maintain(uint32_t flags, uint32_t budget_ms)
{
    const fbk_maintain_options opt = {
        .struct_size = (uint32_t)sizeof opt, .flags = flags, .budget_ms = budget_ms};
    fbk_maintain_result result = FBK_MAINTAIN_RESULT_INIT;

    tk_assert_ok(db, fbk_store_maintain(db, &opt, &result));
    return result;
}

START_TEST(everything_is_done)
{
    fbk_maintain_result r;

    fill();
    r = maintain(0, 0);
    ck_assert_uint_eq(r.more, 0);
    ck_assert_uint_ge(r.rows_merged, N_ALL);
    ck_assert_uint_ge(r.keys_merged, N_ALL);
    ck_assert_uint_gt(r.bytes_written, 0);
    ck_assert_uint_gt(r.bytes_cleared, 0);
    ck_assert_uint_le(r.n_segments, 3);
    ck_assert_uint_le(r.n_runs, 6);
    ck_assert_int_eq(size_of("-wal"), 0);
    ck_assert_int_eq((int64_t)r.file_after, size_of(""));
    ck_assert_int_eq(tk_query_int(db, "PRAGMA freelist_count"), 0);
    r = maintain(0, 0);
    ck_assert_uint_eq(r.rows_merged + r.keys_merged + r.bytes_written + r.bytes_cleared, 0);
    r = maintain(FBK_MAINTAIN_FULL, 0);
    ck_assert_uint_eq(r.n_segments, 1);
    ck_assert_uint_eq(r.n_runs, 2);
    assert_whole(N_ALL + 7);
}
END_TEST

/* What came is counted once, and what was merged each time; what was merged is dead, then gone. */
START_TEST(amplification_is_counted)
{
    fbk_store *other = tk_store_open(path, NULL);
    fbk__log_storage first;
    fbk__log_storage merged;
    fbk__log_storage last;

    fill();
    tk_assert_ok(db, fbk__log_seal(db));
    tk_assert_ok(db, fbk__log_storage_read(db, &first));
    ck_assert_uint_eq(first.sealed_bytes, first.live_bytes);
    ck_assert_uint_eq(first.merged_bytes + first.dead_bytes, 0);
    ck_assert_uint_eq(first.segments, SEALS + 1);
    (void)maintain(FBK_MAINTAIN_NO_WAIT | FBK_MAINTAIN_FULL, 0);
    tk_assert_ok(db, fbk__log_storage_read(db, &merged));
    ck_assert_uint_eq(merged.sealed_bytes, first.sealed_bytes);
    ck_assert_uint_eq(merged.dead_bytes, first.live_bytes);
    ck_assert_uint_eq(merged.merged_bytes, merged.live_bytes);
    ck_assert_uint_eq(merged.segments, 1);
    fbk_store_close(other);
    (void)maintain(0, 0);
    tk_assert_ok(db, fbk__log_storage_read(db, &last));
    ck_assert_uint_eq(last.dead_bytes, 0);
    ck_assert_uint_eq(last.merged_bytes, merged.merged_bytes);
}
END_TEST

START_TEST(an_empty_store_has_nothing_to_do)
{
    fbk_maintain_result r = maintain(FBK_MAINTAIN_FULL, 0);

    ck_assert_uint_eq(r.more + r.n_segments + r.n_runs + r.rows_merged, 0);
    tk_assert_ok(db, fbk_store_maintain(db, NULL, NULL));
}
END_TEST

/* However little each call may do, in the end all is done. */
START_TEST(a_budget_ends_a_call_and_the_next_goes_on)
{
    fbk_maintain_result r;
    unsigned n = 0;

    fill();
    do {
        ck_assert_uint_lt(n++, 10000);
        r = maintain(0, 1);
        if (n % 3 == 0) { /* by another process */
            teardown();
            store = tk_store_open(path, NULL);
            db = tk_store_connect(store);
        }
    } while (r.more);
    ck_assert_uint_le(r.n_segments, 3);
    ck_assert_int_eq(tk_query_int(db, "SELECT count(*) FROM log_segment WHERE state <> 1"), 0);
    assert_whole(N_ALL + 7);
}
END_TEST

typedef struct stop {
    fbk_status answer;
    unsigned n;
} stop;

static fbk_status
tell_stop(void *user_data, uint64_t done, uint64_t total)
{
    stop *s = user_data;

    (void)done;
    ck_assert_uint_eq(total, 0);
    s->n++;
    return s->answer;
}

START_TEST(a_callback_can_stop_it)
{
    static const fbk_status answers[2][2] = {{FBK_ECANCELLED, FBK_ECANCELLED}, {-5, FBK_ECALLBACK}};
    fbk_maintain_options opt = FBK_MAINTAIN_OPTIONS_INIT;
    fbk_maintain_result r = {.struct_size = (uint32_t)sizeof r, .n_runs = 77};
    stop s = {.answer = answers[_i][0]};

    fill();
    opt.progress = tell_stop;
    opt.progress_user_data = &s;
    tk_assert_fails(db, answers[_i][1], fbk_store_maintain(db, &opt, &r));
    ck_assert_uint_eq(s.n, 1);
    ck_assert_uint_eq(r.n_runs, 77);
    s.answer = FBK_OK;
    tk_assert_ok(db, fbk_store_maintain(db, &opt, &r));
    ck_assert_uint_eq(r.more, 0);
    assert_whole(N_ALL + 7);
}
END_TEST

START_TEST(what_is_refused)
{
    static const struct {
        fbk_maintain_options opt;
        fbk_status want;
    } cases[] = {
        {{.struct_size = 8}, FBK_EABI},
        {{.struct_size = sizeof(fbk_maintain_options), .flags = 8}, FBK_EINVAL},
        {{.struct_size = sizeof(fbk_maintain_options), .budget_ms = 86400001}, FBK_ERANGE},
        {{.struct_size = sizeof(fbk_maintain_options), .memory_mib = 65537}, FBK_ERANGE},
    };
    fbk_store *readonly;
    fbk *reader;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        tk_assert_fails(db, cases[i].want, fbk_store_maintain(db, &cases[i].opt, NULL));
    ck_assert_int_eq(fbk_store_maintain(NULL, NULL, NULL), FBK_EINVAL);
    tk_assert_ok(db, fbk__write_begin(db));
    tk_assert_fails(db, FBK_EMISUSE, fbk_store_maintain(db, NULL, NULL));
    tk_assert_ok(db, fbk__write_end(db, FBK_OK));
    readonly = tk_open(path, FBK_STORE_READONLY);
    reader = tk_connect(readonly);
    tk_assert_fails(reader, FBK_EREADONLY, fbk_store_maintain(reader, NULL, NULL));
    fbk_close(reader);
    fbk_store_close(readonly);
}
END_TEST

/* -- others ------------------------------------------------------------------------------------ */

START_TEST(it_does_not_wait_when_told_so)
{
    fbk_store *other = tk_store_open(path, NULL);
    fbk_maintain_result r;

    fill();
    r = maintain(FBK_MAINTAIN_NO_WAIT, 0);
    ck_assert_uint_eq(r.more, 1);
    ck_assert_uint_le(r.n_segments, 3);
    ck_assert_int_gt(tk_query_int(db, "SELECT count(*) FROM log_segment WHERE state = 2"), 0);
    fbk_store_close(other);
    r = maintain(FBK_MAINTAIN_NO_WAIT, 0);
    ck_assert_uint_eq(r.more, 0);
    ck_assert_int_eq(tk_query_int(db, "SELECT count(*) FROM log_segment WHERE state = 2"), 0);
    assert_whole(N_ALL + 7);
}
END_TEST

/* A child that maintains without end, while the parent appends. */
START_TEST(another_process_may_append_meanwhile)
{
    pid_t child;
    int status = 0;

    fill();
    child = fork();
    if (child == 0) {
        fbk_maintain_options opt = FBK_MAINTAIN_OPTIONS_INIT;
        fbk_store_options how = FBK_STORE_OPTIONS_INIT;
        fbk_store *own = NULL;
        fbk *mine = NULL;
        fbk_status rc = fbk_store_open(path, &how, &own, NULL);

        opt.flags = FBK_MAINTAIN_NO_WAIT;
        opt.budget_ms = 20;
        if (rc >= 0)
            rc = fbk_connect(own, &mine);
        for (int i = 0; rc >= 0 && i < 20; i++)
            rc = fbk_store_maintain(mine, &opt, NULL);
        fbk_close(mine);
        fbk_store_close(own);
        _exit(rc < 0);
    }
    for (uint32_t i = 0; i < SEALS; i++) {
        tk_log_fill(db, N_ALL + 8 + i * N_EACH, N_EACH);
        tk_assert_ok(db, fbk__log_seal(db));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    assert_whole(2 * N_ALL + 7);
    ck_assert_uint_eq(maintain(0, 0).more, 0);
    assert_whole(2 * N_ALL + 7);
}
END_TEST

/* -- erasing ------------------------------------------------------------------------------------ */

/* How often this text stands in the file and beside it. */
static unsigned
count_in_files(const char *text)
{
    static const char *const suffixes[] = {"", "-wal"};
    size_t len = strlen(text);
    unsigned n = 0;

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char name[600];
        size_t size = 0;
        char *bytes;

        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        if (size_of(suffixes[i]) <= 0)
            continue;
        bytes = tk_slurp(name, &size);
        for (const char *at = bytes; (at = memmem(at, size - (size_t)(at - bytes), text, len));
             at++)
            n++;
        free(bytes);
    }
    return n;
}

static const char secret[] = "Zq7#vK!x2mWp9$Lr4@Tn8^Jd";

/* Events of one who says something that nothing compresses, now and then among the others. */
static uint32_t
fill_with_secret(void)
{
    uint32_t space;
    uint32_t node;

    for (uint32_t i = 0; i < SEALS; i++) {
        fbk__append_counts counts = {0};
        fbk__batch batch;
        tk_event e = tk_event_make(100000 + i);

        tk_log_fill(db, 1 + i * N_EACH, N_EACH);
        e.n_idents = 1;
        e.person = 4711;
        e.n_props = 0;
        fbk__batch_init(&batch, NULL);
        tk_batch_add(&batch, &e);
        ck_assert_int_eq(
            fbk__batch_text(&batch, secret, strlen(secret), &batch.events[0].order_ref), FBK_OK);
        tk_assert_ok(db, tk_batch_append(db, &batch, NULL, &counts));
        ck_assert_uint_eq(counts.added, 1);
        fbk__batch_free(&batch);
        if (i % 2)
            tk_assert_ok(db, fbk__log_seal(db));
        if (i == SEALS / 2)
            tk_assert_ok(db, fbk_store_maintain(db, NULL, NULL));
    }
    tk_assert_ok(db, fbk__word_resolve(db, "customer", 8, false, &space));
    tk_assert_ok(db, fbk__node_find(db, space, "customer-4711", 13, &node));
    return node;
}

START_TEST(nothing_of_what_was_erased_is_left)
{
    uint32_t node = fill_with_secret();
    uint64_t erased = 0;

    ck_assert_uint_gt(count_in_files(secret), 0);
    tk_assert_ok(db, fbk__log_erase_nodes(db, &node, 1, &erased));
    ck_assert_uint_eq(erased, SEALS);
    ck_assert_uint_eq(maintain(0, 0).more, 0);
    ck_assert_uint_eq(count_in_files(secret), 0);
    ck_assert_int_eq(size_of("-fbk.tmp"), -1);
    assert_whole(N_ALL);
}
END_TEST

/* With a budget the file is written anew only when a day has passed. */
START_TEST(a_budget_waits_a_day)
{
    static const char since_sql[] =
        "SELECT CAST(value AS INTEGER) FROM fbk_meta WHERE key = 'log.erased_us'";
    uint32_t node = fill_with_secret();
    uint64_t erased = 0;
    int64_t since;
    fbk_maintain_result r;

    tk_assert_ok(db, fbk__log_erase_nodes(db, &node, 1, &erased));
    since = tk_query_int(db, since_sql);
    do
        r = maintain(0, 60000);
    while (r.more && tk_query_int(db, "SELECT count(*) FROM log_segment") > 3);
    ck_assert_uint_eq(r.more, 1);
    ck_assert_int_eq(tk_query_int(db, since_sql), since);
    tk_assert_ok(db, tk_write(db, "UPDATE fbk_meta SET value = value - 86400000001 "
                                  "WHERE key = 'log.erased_us'"));
    r = maintain(0, 60000);
    ck_assert_uint_eq(r.more, 0);
    ck_assert_int_eq(tk_query_int(db, since_sql), 0);
    ck_assert_uint_eq(count_in_files(secret), 0);
    assert_whole(N_ALL);
}
END_TEST

/* What a killed process left of a private directory is taken over; what is none is not touched. */
START_TEST(the_private_directory)
{
    char dir[600];

    (void)snprintf(dir, sizeof dir, "%s-fbk.tmp", path);
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    ck_assert_uint_eq(maintain(FBK_MAINTAIN_VACUUM, 0).more, 0);
    ck_assert_int_eq(size_of("-fbk.tmp"), -1);
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    ck_assert_int_eq(chmod(dir, 0755), 0);
    {
        const fbk_maintain_options opt = {.struct_size = (uint32_t)sizeof opt,
                                          .flags = FBK_MAINTAIN_VACUUM};

        tk_assert_fails(db, FBK_EIO, fbk_store_maintain(db, &opt, NULL));
    }
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("maintain");
    TCase *tc = tcase_create("maintain");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, everything_is_done);
    tcase_add_test(tc, amplification_is_counted);
    tcase_add_test(tc, an_empty_store_has_nothing_to_do);
    tcase_add_test(tc, a_budget_ends_a_call_and_the_next_goes_on);
    tcase_add_loop_test(tc, a_callback_can_stop_it, 0, 2);
    tcase_add_test(tc, what_is_refused);
    tcase_add_test(tc, it_does_not_wait_when_told_so);
    tcase_add_test(tc, another_process_may_append_meanwhile);
    tcase_add_test(tc, nothing_of_what_was_erased_is_left);
    tcase_add_test(tc, a_budget_waits_a_day);
    tcase_add_test(tc, the_private_directory);
    suite_add_tcase(s, tc);
    return tk_run(s);
}
