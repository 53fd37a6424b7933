/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/stats.h>

#include <stdlib.h>
#include <string.h>

#include "support/tk.h"
#include "support/tk_log.h"

static fbk_store *store;
static fbk *db;

static void
setup(void)
{
    store = tk_store_open(":memory:", NULL);
    db = tk_store_connect(store);
}

static void
teardown(void)
{
    fbk_close(db);
    fbk_store_close(store);
}

typedef struct plain_line {
    uint8_t kind;
    const char *item;
    int64_t quantity_milli, unit_price_micro, amount_micro;
} plain_line;

typedef struct plain_event {
    const char *id, *kind, *customer, *cookie, *currency;
    int64_t occurred_us;
    uint32_t flags;
    plain_line lines[2];
} plain_event;

/* What each row is there for is said by its id. */
static const plain_event plain[] = {
    {"two valid lines, one of them shipping",
     "sale",
     "ann",
     NULL,
     "",
     1000,
     0,
     {{FBK__LINE_PRODUCT, "1", 2000, 3500000, 7000000},
      {FBK__LINE_SHIPPING, "", 1000, 4950000, 4950000}}},
    {"a cancellation",
     "cancel",
     "ann",
     NULL,
     "",
     2000,
     0,
     {{FBK__LINE_PRODUCT, "1", -1000, 3500000, -3500000}}},
    {"a sale to nobody",
     "sale",
     NULL,
     NULL,
     "",
     3000,
     0,
     {{FBK__LINE_PRODUCT, "2", 1000, 10000000, 10000000}}},
    {"a view", "view", NULL, "c1", "", 4000, 0, {{FBK__LINE_PRODUCT, "3", 1000, 9, 9}}},
    {"a log-in: c1 is ann", "login", "ann", "c1", "", 5000, 0, {{0}}},
    {"a write-off", "adjustment", NULL, NULL, "", 6000, 0, {{FBK__LINE_PRODUCT, "1", -5000, 0, 0}}},
    {"a till's test",
     "sale",
     "bob",
     NULL,
     "",
     7000,
     FBK__FLAG_TEST,
     {{FBK__LINE_PRODUCT, "4", 1000, 1000000, 1000000}}},
    {"in dollars",
     "sale",
     "cid",
     NULL,
     "USD",
     8000,
     0,
     {{FBK__LINE_PRODUCT, "1", 1000, 2000000, 2000000}}},
    {"ann by her device, for a tenth of a penny",
     "sale",
     NULL,
     "c1",
     "",
     9000,
     FBK__FLAG_EMPLOYEE,
     {{FBK__LINE_PRODUCT, "5", 1000, 1000, 1000}}},
    {"a price but no goods",
     "sale",
     "dan",
     NULL,
     "",
     9500,
     0,
     {{FBK__LINE_FEE, "", 0, 5000000, 5000000}}},
    {"a stock write-off of a customer's order",
     "adjustment",
     "eve",
     NULL,
     "",
     9600,
     0,
     {{FBK__LINE_PRODUCT, "1", 1000, 3000000, 3000000}}},
};

static fbk__span
text_of(fbk__batch *batch, const char *text)
{
    fbk__span span = {0, 0};

    ck_assert_int_eq(fbk__batch_text(batch, text, strlen(text), &span), FBK_OK);
    return span;
}

static uint32_t
number_of(fbk__intern *dictionary, const char *text)
{
    return fbk__intern_add(dictionary, text, strlen(text));
}

static void
ident_add(fbk__batch *batch, const char *space, const char *value)
{
    fbk__batch_ident *ident;

    if (!value)
        return;
    ident = fbk__batch_add_ident(batch);
    ck_assert_ptr_nonnull(ident);
    ident->space = number_of(&batch->words, space);
    ident->value = text_of(batch, value);
}

static void
plain_fill(void)
{
    fbk__append_counts counts;
    fbk__batch batch;

    fbk__batch_init(&batch, NULL);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        const plain_event *e = &plain[i];
        fbk__batch_event *to = fbk__batch_add_event(&batch);

        ck_assert_ptr_nonnull(to);
        to->id = text_of(&batch, e->id);
        to->occurred_us = to->received_us = e->occurred_us;
        to->kind = number_of(&batch.words, e->kind);
        to->source = number_of(&batch.words, "till");
        to->channel = number_of(&batch.words, "");
        to->place = number_of(&batch.places, "");
        to->currency = number_of(&batch.words, e->currency);
        to->flags = e->flags;
        for (int k = 0; k < 2 && e->lines[k].kind != FBK__LINE_NONE; k++) {
            fbk__batch_line *line = fbk__batch_add_line(&batch);

            ck_assert_ptr_nonnull(line);
            line->item = number_of(&batch.items, e->lines[k].item);
            line->kind = e->lines[k].kind;
            line->quantity_milli = e->lines[k].quantity_milli;
            line->unit_price_micro = e->lines[k].unit_price_micro;
            line->amount_micro = e->lines[k].amount_micro;
        }
        ident_add(&batch, "customer", e->customer);
        ident_add(&batch, "cookie", e->cookie);
    }
    tk_assert_ok(db, tk_batch_append(db, &batch, NULL, &counts));
    ck_assert_uint_eq(counts.added, sizeof plain / sizeof plain[0]);
    fbk__batch_free(&batch);
}

START_TEST(totals_follow_their_definitions)
{
    fbk_stats s = FBK_STATS_INIT;

    plain_fill();
    tk_assert_ok(db, fbk_stats_read(db, FBK_TIME_NONE, NULL, &s));
    ck_assert_uint_eq(s.n_events, 11);
    ck_assert_uint_eq(s.n_lines, 11);
    ck_assert_uint_eq(s.n_test_events, 1);
    ck_assert_uint_eq(s.n_invoices, 8);
    ck_assert_uint_eq(s.n_invoice_lines, 9);
    ck_assert_uint_eq(s.n_foreign_lines, 1);
    ck_assert_uint_eq(s.n_customers, 4); /* ann, cid, dan, eve */
    ck_assert_uint_eq(s.n_people, 4);
    ck_assert_uint_eq(s.n_items, 3); /* 1, 2, 5 */
    ck_assert_int_eq(s.total_micro,
                     7000000 + 4950000 - 3500000 + 10000000 + 1000 + 5000000 + 3000000);
    ck_assert_uint_eq(s.n_valid_lines, 3);
    ck_assert_uint_eq(s.n_valid_invoices, 2);
    ck_assert_uint_eq(s.n_valid_customers, 1);
    ck_assert_int_eq(s.valid_micro, 7000000 + 4950000 + 1000);
    ck_assert_int_eq(s.first_us, 1000);
    ck_assert_int_eq(s.last_us, 9600);
    ck_assert_uint_eq(s.n_identifiers, 6);
    ck_assert_uint_eq(s.n_links, 1);
    ck_assert_uint_eq(s.n_conflicts, 0);
}
END_TEST

START_TEST(as_of_is_exclusive)
{
    fbk_stats s = FBK_STATS_INIT;

    plain_fill();
    tk_assert_ok(db, fbk_stats_read(db, 3000, NULL, &s));
    ck_assert_uint_eq(s.n_events, 2);
    ck_assert_int_eq(s.last_us, 2000);
    tk_assert_ok(db, fbk_stats_read(db, 1000, NULL, &s));
    ck_assert_uint_eq(s.n_events, 0);
    ck_assert_int_eq(s.first_us, FBK_TIME_NONE);
    ck_assert_int_eq(s.total_micro, 0);
}
END_TEST

START_TEST(kinds_add_up_to_the_totals)
{
    enum { N = 3000 };
    struct ArrowArrayStream stream = {0};
    fbk_stats s = FBK_STATS_INIT;
    fbk_arrow_rows rows;
    int64_t events[2] = {0, 0};
    int64_t lines[2] = {0, 0};
    int64_t micro[2] = {0, 0};
    int64_t want_lines = 0;
    int64_t want_micro = 0;
    int64_t want_sales = 0;
    int64_t want_sale_micro = 0;

    tk_log_fill(db, 1, N);
    for (uint32_t i = 1; i <= N; i++) {
        tk_event e = tk_event_make(i);

        want_sales += e.kind == FBK__EVENT_SALE;
        want_lines += e.n_lines;
        for (uint32_t k = 0; k < e.n_lines && !e.currency; k++) {
            want_micro += tk_event_line(&e, k).amount_micro;
            if (e.kind == FBK__EVENT_SALE)
                want_sale_micro += tk_event_line(&e, k).amount_micro;
        }
    }
    tk_assert_ok(db, fbk_stats_read(db, FBK_TIME_NONE, NULL, &s));
    ck_assert_uint_eq(s.n_events, N);
    ck_assert_int_eq((int64_t)s.n_lines, want_lines);
    ck_assert_int_eq((int64_t)s.n_invoices, want_sales);
    ck_assert_int_eq(s.total_micro, want_sale_micro);
    tk_assert_ok(db, fbk_stats_kinds(db, FBK_TIME_NONE, NULL, &stream));
    ck_assert_int_eq(fbk_arrow_rows_open(&rows, &stream), FBK_OK);
    while (fbk_arrow_rows_next(&rows) == FBK_OK) {
        int64_t len;
        int line = fbk_arrow_rows_text(&rows, 0, &len)[0] == 'l';

        events[line] += fbk_arrow_rows_int64(&rows, 2);
        lines[line] += fbk_arrow_rows_int64(&rows, 3);
        micro[line] += fbk_arrow_rows_int64(&rows, 4);
    }
    fbk_arrow_rows_close(&rows);
    ck_assert_int_eq(events[0], N);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(lines[i], want_lines);
        ck_assert_int_eq(micro[i], want_micro);
    }
}
END_TEST

static fbk_status
stop(void *user_data, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    return *(fbk_status *)user_data;
}

START_TEST(misuse_and_cancelling_leave_outputs_alone)
{
    fbk_stats_options opt = FBK_STATS_OPTIONS_INIT;
    struct ArrowArrayStream stream = {0};
    fbk_stats s = FBK_STATS_INIT;
    fbk_stats before = s;
    fbk_status answer = FBK_ECANCELLED;

    tk_log_fill(db, 1, 50);
    tk_assert_fails(db, FBK_EINVAL, fbk_stats_read(db, FBK_TIME_NONE, NULL, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_stats_kinds(db, FBK_TIME_NONE, NULL, NULL));
    ck_assert_int_eq(fbk_stats_read(NULL, FBK_TIME_NONE, NULL, &s), FBK_EINVAL);
    tk_assert_fails(db, FBK_ERANGE, fbk_stats_read(db, FBK_TIME_MAX + 1, NULL, &s));
    opt.flags = 1;
    tk_assert_fails(db, FBK_EINVAL, fbk_stats_read(db, FBK_TIME_NONE, &opt, &s));
    opt.flags = 0;
    opt.progress = stop;
    opt.progress_data = &answer;
    tk_assert_fails(db, FBK_ECANCELLED, fbk_stats_read(db, FBK_TIME_NONE, &opt, &s));
    tk_assert_fails(db, FBK_ECANCELLED, fbk_stats_kinds(db, FBK_TIME_NONE, &opt, &stream));
    answer = -7;
    tk_assert_fails(db, FBK_ECALLBACK, fbk_stats_read(db, FBK_TIME_NONE, &opt, &s));
    s.struct_size = 8;
    tk_assert_fails(db, FBK_EABI, fbk_stats_read(db, FBK_TIME_NONE, NULL, &s));
    s.struct_size = before.struct_size;
    ck_assert_mem_eq(&s, &before, sizeof s);
    ck_assert_ptr_null(stream.release);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("stats");
    TCase *tc = tcase_create("stats");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, totals_follow_their_definitions);
    tcase_add_test(tc, as_of_is_exclusive);
    tcase_add_test(tc, kinds_add_up_to_the_totals);
    tcase_add_test(tc, misuse_and_cancelling_leave_outputs_alone);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
