/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "record/event.h"
#include "store/conn.h"
#include "support/tk.h"
#include "support/tk_log.h"

/* Each allocation of each call on the event log fails in turn: the code is FBK_ENOMEM, nothing
 * leaks, outputs and store stay as they were, and repeating the call succeeds. FEEDBACK_TEST_FULL=1
 * tries each one, otherwise every fifth. */

enum { N_BEFORE = 60, N_BATCH = 12, UNTOUCHED = 77 };

static tk_alloc alloc;
static fbk_store *store;
static fbk *db;

/* Outputs of the calls; they must be as `outputs_reset` left them after a failure. */
static struct {
    uint8_t outcomes[N_BATCH + 3];
    fbk__append_counts counts;
    fbk__log_counts totals;
    fbk__link *links;
    uint32_t *spaces;
    size_t n_links;
    uint32_t n;
    uint32_t outcome;
    uint64_t number;
    size_t n_rows;
} out;

static void
outputs_reset(void)
{
    fbk__free(&alloc.allocator, out.links);
    fbk__free(&alloc.allocator, out.spaces);
    memset(&out, 0, sizeof out);
    memset(out.outcomes, UNTOUCHED, sizeof out.outcomes);
    out.outcome = UNTOUCHED;
    out.number = UNTOUCHED;
    out.n = UNTOUCHED;
}

static void
outputs_assert_untouched(void)
{
    for (size_t i = 0; i < sizeof out.outcomes; i++)
        ck_assert_uint_eq(out.outcomes[i], UNTOUCHED);
    ck_assert_uint_eq(out.counts.added + out.counts.already + out.counts.conflict, 0);
    ck_assert_uint_eq(out.totals.events, 0);
    ck_assert_ptr_null(out.links);
    ck_assert_ptr_null(out.spaces);
    ck_assert_uint_eq(out.outcome, UNTOUCHED);
    ck_assert_uint_eq(out.number, UNTOUCHED);
    ck_assert_uint_eq(out.n, UNTOUCHED);
}

static void
setup(void)
{
    tk_alloc_init(&alloc);
    store = tk_store_open(":memory:", &alloc.allocator);
    db = tk_store_connect(store);
    tk_log_fill(db, 1, N_BEFORE);
    outputs_reset();
}

static void
teardown(void)
{
    outputs_reset();
    fbk_close(db);
    fbk_store_close(store);
    ck_assert_int_eq(alloc.n_live, 0);
}

/* -- the calls ------------------------------------------------------------------------------- */

static fbk_status
call_append(void)
{
    fbk__batch batch;
    fbk_status rc;

    fbk__batch_init(&batch, NULL); /* the batch is the caller's */
    for (uint32_t i = 0; i < N_BATCH + 3; i++) {
        tk_event e = tk_event_make(N_BEFORE - 1 + i); /* two are there already, … */

        if (i == N_BATCH + 2)
            e = tk_event_make(N_BEFORE + 3);
        e.salt = i == 1 || i == N_BATCH + 2; /* … one of them, and the last, with other content */
        tk_batch_add(&batch, &e);
    }
    rc = tk_batch_append(db, &batch, out.outcomes, &out.counts);
    fbk__batch_free(&batch);
    return rc;
}

static fbk_status
call_event(void)
{
    static const char *const items[] = {"sku 1", "sku 2"};
    static const char *const spaces[] = {"customer", "email"};
    static const char *const values[] = {"17850", "ann@example.org"};
    static const char *const keys[] = {"screen"};
    static const uint32_t types[] = {FBK_PROP_TEXT};
    fbk_event e = FBK_EVENT_INIT;

    e.event_id = "one";
    e.kind = "sale";
    e.source = "till 9";
    e.channel = "shop";
    e.place = "somewhere";
    e.order_ref = "1";
    e.n_lines = 2;
    e.items = items;
    e.n_identifiers = 2;
    e.namespaces = spaces;
    e.values = values;
    e.n_properties = 1;
    e.keys = keys;
    e.types = types;
    e.texts = keys;
    return fbk_event_append(db, &e, &out.outcome);
}

static fbk_status
call_stream(void)
{
    fbk_arrow_builder b = FBK_ARROW_BUILDER_INIT;
    fbk_event_stream_options opt = FBK_EVENT_STREAM_OPTIONS_INIT;
    struct ArrowArrayStream stream;
    fbk_status rc;

    (void)fbk_arrow_builder_column(&b, "event_id", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "occurred_us", FBK_ARROW_INT64);
    (void)fbk_arrow_builder_column(&b, "item", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "id:customer", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "prop:colour", FBK_ARROW_TEXT);
    for (int i = 0; i < 6; i++) {
        fbk_arrow_add_text(&b, 0, i < 3 ? "a" : "b", 1);
        fbk_arrow_add_int64(&b, 1, 5);
        fbk_arrow_add_text(&b, 2, "sku 1", 5);
        fbk_arrow_add_text(&b, 3, "1", 1);
        fbk_arrow_add_text(&b, 4, "red", 3);
    }
    ck_assert_int_eq(fbk_arrow_builder_finish(&b, &stream), FBK_OK);
    opt.source = "web";
    rc = fbk_event_append_stream(db, &stream, &opt, NULL);
    ck_assert_ptr_null((void *)(uintptr_t)stream.release);
    return rc;
}

static fbk_status
call_scan_nodes(void)
{
    static const uint32_t nodes[] = {1, 2, 3};
    static const uint32_t kinds[] = {FBK__EVENT_SALE, FBK__EVENT_VIEW};
    fbk__scan_options opt = {.from_us = FBK_TIME_NONE,
                             .to_us = FBK_TIME_NONE,
                             .nodes = nodes,
                             .n_nodes = 3,
                             .kinds = kinds,
                             .n_kinds = 2,
                             .columns = (1 << 18) - 1};
    fbk__scan *scan = NULL;
    const fbk__chunk *c;
    fbk_status rc = fbk__log_scan_open(db, &opt, &scan);

    if (rc < 0)
        return rc;
    while ((rc = fbk__log_scan_next(scan, &c)) == FBK_OK)
        out.n_rows += c->n;
    fbk__log_scan_close(scan);
    return rc;
}

static fbk_status
count_event(void *user_data, const fbk__event_view *view)
{
    (void)view;
    ++*(size_t *)user_data;
    return FBK_OK;
}

static fbk_status
call_history(void)
{
    static const uint32_t nodes[] = {1, 2, 3};

    return fbk__log_history(db, nodes, 3, FBK_TIME_NONE, 100, count_event, &out.n_rows);
}

static fbk_status
call_each(void)
{
    return fbk__log_each(db, 0, count_event, &out.n_rows);
}

static fbk_status
call_erase(void)
{
    static const uint32_t nodes[] = {1, 2, 3};

    return fbk__log_erase_nodes(db, nodes, 3, &out.number);
}

static fbk_status
call_maintain(void)
{
    static const fbk_maintain_options opt = {.struct_size = (uint32_t)sizeof opt,
                                             .flags = FBK_MAINTAIN_VACUUM | FBK_MAINTAIN_FULL};
    fbk_maintain_result result = FBK_MAINTAIN_RESULT_INIT;
    fbk_status rc = fbk_store_maintain(db, &opt, &result);

    out.n_rows = (size_t)result.rows_merged;
    return rc;
}

static fbk_status
call_check(void)
{
    uint64_t bad = 0;
    fbk_status rc = fbk__log_check(db, NULL, NULL, &bad);

    ck_assert_uint_eq(bad, 0);
    return rc;
}

static fbk_status
call_read_all(void)
{
    fbk_status rc = fbk__log_count(db, &out.totals);

    if (rc < 0)
        return rc;
    memset(&out.totals, 0, sizeof out.totals);
    rc = fbk__links_read(db, &out.links, &out.n_links);
    if (rc < 0)
        return rc;
    fbk__free(&alloc.allocator, out.links);
    out.links = NULL;
    return fbk__node_spaces(db, &out.spaces, &out.n);
}

static fbk_status
call_words(void)
{
    uint32_t word;
    fbk_status rc = fbk__word_resolve(db, "customer", 8, false, &word);

    if (rc < 0)
        return rc;
    /* The one call that has no code to give: no text without memory, and never a wrong one. */
    return fbk__word_text(db, word)[0] ? FBK_OK : fbk__nomem(db);
}

static fbk_status (*const calls[])(void) = {
    call_append, call_event,    call_stream, call_scan_nodes, call_history, call_each,
    call_erase,  call_maintain, call_check,  call_read_all,   call_words,
};

static uint64_t
events_now(void)
{
    fbk__log_counts now;

    tk_assert_ok(db, fbk__log_count(db, &now));
    return now.events;
}

START_TEST(every_allocation_may_fail)
{
    int64_t step = tk_full() ? 1 : 5;

    for (int persistent = 0; persistent < 2; persistent++) {
        for (int64_t k = persistent ? step / 2 : 0;; k += step) {
            uint64_t before;
            uint64_t bad = 0;
            fbk_status rc;

            ck_assert_int_lt(k, 3000);
            teardown(); /* all caches empty, nothing of the last round stored */
            setup();
            before = events_now();
            fbk_close(db);
            db = tk_store_connect(store);
            alloc.persistent = persistent;
            alloc.fail_at = alloc.n_calls + k;
            rc = calls[_i]();
            alloc.fail_at = -1;
            if (rc >= 0) {
                ck_assert_int_gt(k, 0);
                break;
            }
            ck_assert_msg(rc == FBK_ENOMEM, "%s: %s", fbk_status_name(rc), fbk_errmsg(db));
            ck_assert_str_eq(fbk_errmsg(db), "out of memory");
            outputs_assert_untouched();
            ck_assert_uint_eq(events_now(), before);
            outputs_reset();
            tk_assert_ok(db, calls[_i]());
            tk_assert_ok(db, fbk__log_check(db, NULL, NULL, &bad));
        }
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("fault_log_oom");
    TCase *tc = tcase_create("fault_log_oom");

    tcase_set_timeout(tc, 240);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, every_allocation_may_fail, 0, (int)(sizeof calls / sizeof calls[0]));
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
