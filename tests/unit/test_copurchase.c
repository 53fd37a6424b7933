/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/catalogue.h>
#include <feedback/copurchase.h>
#include <feedback/identity.h>
#include <feedback/model.h>
#include <feedback/store.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "model/copurchase.h"
#include "record/catalogue.h"
#include "support/tk.h"
#include "support/tk_sale.h"

static fbk_store *store;
static fbk *db;

static void
open_at(const char *path, const fbk_allocator *a)
{
    fbk_store_options options = {
        .struct_size = (uint32_t)sizeof options, .flags = FBK_STORE_CREATE, .allocator = a};

    tk_assert_ok(NULL, fbk_store_open(path, &options, &store, NULL));
    tk_assert_ok(NULL, fbk_connect(store, &db));
}

static void
setup(void)
{
    open_at(":memory:", NULL);
}

static void
teardown(void)
{
    fbk_close(db);
    fbk_store_close(store);
}

#define ITEMS(...)        \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }

/* Bread and butter go together; each row is there for what its id says. */
static void
fill(fbk *on)
{
    const tk_sale sales[] = {
        {.id = "ann 1", .person = "ann", .occurred_us = 1, .items = ITEMS("bread", "butter")},
        {.id = "ann 2", .person = "ann", .occurred_us = 2, .items = ITEMS("butter", "bread")},
        {.id = "bob", .person = "bob", .occurred_us = 3, .items = ITEMS("bread", "butter", "tea")},
        {.id = "cid by cookie", .cookie = "c1", .occurred_us = 4, .items = ITEMS("bread", "tea")},
        {.id = "cid says who he is",
         .person = "cid",
         .cookie = "c1",
         .occurred_us = 5,
         .items = ITEMS("bread", "tea", "tea")},
        {.id = "nobody 1", .occurred_us = 6, .items = ITEMS("bread", "butter")},
        {.id = "nobody 2", .occurred_us = 7, .place = "north", .items = ITEMS("bread")},
        {.id = "staff",
         .person = "dan",
         .flags = FBK__FLAG_EMPLOYEE,
         .occurred_us = 8,
         .items = ITEMS("bread", "butter")},
        {.id = "shipping",
         .person = "ann",
         .line_kind = FBK__LINE_SHIPPING,
         .occurred_us = 9,
         .items = ITEMS("post")},
        {.id = "return",
         .person = "ann",
         .kind = "return",
         .quantity_milli = -1000,
         .occurred_us = 10,
         .items = ITEMS("bread", "butter")},
        {.id = "negative line",
         .person = "eve",
         .quantity_milli = -1000,
         .occurred_us = 11,
         .items = ITEMS("bread", "butter")},
        {.id = "view",
         .person = "eve",
         .kind = "view",
         .occurred_us = 12,
         .items = ITEMS("bread", "tea")},
        {.id = "late", .person = "eve", .occurred_us = 1000, .items = ITEMS("tea", "jam")},
    };
    fbk__batch batch;

    fbk__batch_init(&batch, fbk__a(on));
    for (size_t i = 0; i < sizeof sales / sizeof sales[0]; i++)
        tk_sale_add(&batch, &sales[i]);
    tk_assert_ok(on, tk_sales_append(on, &batch));
    fbk__batch_free(&batch);
}

static fbk_copurchase_report
train(fbk_time as_of_us, const fbk_copurchase_options *options)
{
    fbk_copurchase_report report = {.struct_size = (uint32_t)sizeof report};

    tk_assert_ok(db, fbk_copurchase_train(db, as_of_us, options, &report));
    return report;
}

typedef struct pair {
    int64_t orders, people;
    double score, llr, confidence;
    int64_t rank; /* from 1; 0 = not there */
} pair;

static pair
pair_of(const char *sku, const char *other, const fbk_copurchase_query *query)
{
    struct ArrowArrayStream stream = {0};
    fbk_arrow_rows rows = {0};
    pair p = {0};
    int64_t rank = 0;

    tk_assert_ok(db, fbk_copurchase_for_item(db, sku, query, &stream));
    ck_assert_int_eq(fbk_arrow_rows_open(&rows, &stream), FBK_OK);
    while (fbk_arrow_rows_next(&rows) == FBK_OK) {
        int64_t len;
        const char *text = fbk_arrow_rows_text(&rows, fbk_arrow_rows_column(&rows, "item"), &len);

        rank++;
        if (len != (int64_t)strlen(other) || memcmp(text, other, (size_t)len) != 0)
            continue;
        p.rank = rank;
        p.orders = fbk_arrow_rows_int64(&rows, fbk_arrow_rows_column(&rows, "orders"));
        p.people = fbk_arrow_rows_int64(&rows, fbk_arrow_rows_column(&rows, "people"));
        p.score = fbk_arrow_rows_double(&rows, fbk_arrow_rows_column(&rows, "score"));
        p.llr = fbk_arrow_rows_double(&rows, fbk_arrow_rows_column(&rows, "llr"));
        p.confidence = fbk_arrow_rows_double(&rows, fbk_arrow_rows_column(&rows, "confidence"));
    }
    fbk_arrow_rows_close(&rows);
    return p;
}

START_TEST(orders_and_people_are_counted)
{
    fbk_copurchase_options options = FBK_COPURCHASE_OPTIONS_INIT;
    fbk_copurchase_query query = FBK_COPURCHASE_QUERY_INIT;
    fbk_copurchase_report r;
    pair p;

    fill(db);
    options.min_people = 1;
    r = train(100, &options);
    ck_assert_uint_eq(r.n_events, 10); /* sales before 100 */
    ck_assert_uint_eq(r.n_flagged, 1);
    ck_assert_uint_eq(r.n_orders, 7);
    ck_assert_uint_eq(r.n_people, 5); /* ann, bob, cid, two of nobody */
    ck_assert_uint_eq(r.n_anonymous, 2);
    ck_assert_uint_eq(r.n_items, 3);
    ck_assert_uint_eq(r.n_pairs, 3);
    ck_assert_uint_eq(r.n_served, 3);
    p = pair_of("bread", "butter", NULL);
    ck_assert_int_eq(p.orders, 4);
    ck_assert_int_eq(p.people, 3);
    ck_assert_double_eq_tol(p.confidence, 4.0 / 7.0, 1e-15);
    ck_assert_double_eq_tol(p.score, 3.0 / sqrt(5.0 * 3.0) * 3.0 / 8.0, 1e-15);
    p = pair_of("tea", "bread", NULL);
    ck_assert_int_eq(p.orders, 3);
    ck_assert_int_eq(p.people, 2); /* cid's cookie is cid */
    ck_assert_int_eq(pair_of("tea", "jam", NULL).rank, 0);
    query.min_people = 3;
    ck_assert_int_eq(pair_of("bread", "tea", &query).rank, 0);
    ck_assert_int_eq(pair_of("bread", "butter", &query).rank, 1);
}
END_TEST

START_TEST(flags_and_as_of_are_options)
{
    fbk_copurchase_options options = FBK_COPURCHASE_OPTIONS_INIT;
    fbk_copurchase_report r;

    fill(db);
    options.include_flags = FBK__FLAG_EMPLOYEE;
    r = train(FBK_TIME_NONE, &options);
    ck_assert_uint_eq(r.n_flagged, 0);
    ck_assert_uint_eq(r.n_orders, 9);
    ck_assert_uint_eq(r.n_people, 7);
    ck_assert_uint_eq(r.n_served, 1); /* only bread and butter, by three */
    options.include_flags = 0;
    /* At 5, exclusive, the cookie was not yet known to be cid's; now it is. */
    options.flags = FBK_COPURCHASE_IDENTITY_AS_OF;
    r = train(5, &options);
    ck_assert_uint_eq(r.n_orders, 4);
    ck_assert_uint_eq(r.n_people, 3);
    options.from_us = 4;
    r = train(FBK_TIME_NONE, &options);
    ck_assert_uint_eq(r.n_orders, 5);
}
END_TEST

START_TEST(an_unlinked_cookie_is_another_person)
{
    fbk_copurchase_options options = FBK_COPURCHASE_OPTIONS_INIT;

    fill(db);
    options.min_people = 1;
    (void)train(100, &options);
    ck_assert_int_eq(pair_of("tea", "bread", NULL).people, 2);
    ck_assert_int_ge(fbk_identity_unlink(db, "customer", "cid", "cookie", "c1", 50, NULL), FBK_OK);
    (void)train(100, &options);
    ck_assert_int_eq(pair_of("tea", "bread", NULL).people, 3);
}
END_TEST

START_TEST(sizes_count_as_their_style)
{
    fbk_copurchase_options options = FBK_COPURCHASE_OPTIONS_INIT;
    fbk_item item = FBK_ITEM_INIT;
    pair p;

    options.min_people = 1;
    tk_sell(db, &(tk_sale){.id = "1", .person = "a", .items = ITEMS("shirt-s", "tie")});
    tk_sell(db, &(tk_sale){.id = "2", .person = "b", .items = ITEMS("shirt-l", "shirt-s", "tie")});
    item.parent = "shirt";
    item.sku = "shirt-s";
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    item.sku = "shirt-l";
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    (void)train(FBK_TIME_NONE, &options);
    p = pair_of("tie", "shirt", NULL);
    ck_assert_int_eq(p.orders, 2);
    ck_assert_int_eq(p.people, 2);
    ck_assert_int_eq(pair_of("tie", "shirt-s", NULL).rank, 0);
    ck_assert_int_eq(pair_of("shirt-l", "tie", NULL).orders, 2);
}
END_TEST

/* Random sales; every order of every query against the measures themselves. */
START_TEST(queries_come_in_the_order_asked_for)
{
    static const char *const names[] = {"score", "confidence", "lift", "llr", "orders"};
    fbk_copurchase_options options = FBK_COPURCHASE_OPTIONS_INIT;
    fbk_copurchase_query query = FBK_COPURCHASE_QUERY_INIT;
    struct ArrowArrayStream stream = {0};
    fbk_arrow_rows rows = {0};
    fbk__batch batch;
    fbk__rng rng;
    double last = INFINITY;
    uint32_t n = 0;

    fbk__rng_seed(&rng, 4);
    fbk__batch_init(&batch, fbk__a(db));
    for (int i = 0; i < 400; i++) {
        char id[16], person[16], sku[8][8];
        const char *items[8];
        tk_sale sale = {.id = id, .person = person, .items = items};

        (void)snprintf(id, sizeof id, "%d", i);
        (void)snprintf(person, sizeof person, "p%d", (int)fbk__rng_below(&rng, 90));
        for (sale.n_items = 0; sale.n_items < 1 + fbk__rng_below(&rng, 7); sale.n_items++) {
            (void)snprintf(sku[sale.n_items], sizeof sku[0], "i%d",
                           (int)(fbk__rng_below(&rng, 9) * fbk__rng_below(&rng, 9)));
            items[sale.n_items] = sku[sale.n_items];
        }
        tk_sale_add(&batch, &sale);
    }
    tk_assert_ok(db, tk_sales_append(db, &batch));
    fbk__batch_free(&batch);
    (void)train(FBK_TIME_NONE, &options);
    query.order_by = (uint32_t)_i;
    query.n = 12;
    tk_assert_ok(db, fbk_copurchase_for_item(db, "i0", &query, &stream));
    ck_assert_int_eq(fbk_arrow_rows_open(&rows, &stream), FBK_OK);
    while (fbk_arrow_rows_next(&rows) == FBK_OK) {
        int64_t column = fbk_arrow_rows_column(&rows, names[_i]);
        double value = _i == FBK_COPURCHASE_BY_ORDERS ? (double)fbk_arrow_rows_int64(&rows, column)
                                                      : fbk_arrow_rows_double(&rows, column);

        ck_assert(value <= last);
        ck_assert_int_ge(fbk_arrow_rows_int64(&rows, fbk_arrow_rows_column(&rows, "people")), 3);
        last = value;
        n++;
    }
    fbk_arrow_rows_close(&rows);
    ck_assert_uint_eq(n, 12);
}
END_TEST

START_TEST(what_cannot_be_done_says_so)
{
    fbk_copurchase_options options = FBK_COPURCHASE_OPTIONS_INIT;
    fbk_copurchase_report small = {.struct_size = 8};
    fbk_copurchase_rules_options rules = FBK_COPURCHASE_RULES_OPTIONS_INIT;
    fbk_copurchase_query query = FBK_COPURCHASE_QUERY_INIT;
    struct ArrowArrayStream stream = {0};

    tk_assert_fails(db, FBK_ENODATA, fbk_copurchase_train(db, FBK_TIME_NONE, NULL, NULL));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_copurchase_for_item(db, "bread", NULL, &stream));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_copurchase_rules(db, NULL, &stream));
    fill(db);
    tk_assert_fails(db, FBK_ENODATA, fbk_copurchase_train(db, 1, NULL, NULL));
    tk_assert_fails(db, FBK_ERANGE, fbk_copurchase_train(db, INT64_MAX, NULL, NULL));
    tk_assert_fails(db, FBK_EABI, fbk_copurchase_train(db, 100, NULL, &small));
    options.flags = 4;
    tk_assert_fails(db, FBK_EINVAL, fbk_copurchase_train(db, 100, &options, NULL));
    options = (fbk_copurchase_options)FBK_COPURCHASE_OPTIONS_INIT;
    options.max_set = 13;
    tk_assert_fails(db, FBK_ERANGE, fbk_copurchase_train(db, 100, &options, NULL));
    options.max_set = 0;
    options.set_support = NAN;
    tk_assert_fails(db, FBK_ERANGE, fbk_copurchase_train(db, 100, &options, NULL));
    options.set_support = 0;
    options.name = "No good";
    tk_assert_fails(db, FBK_EINVAL, fbk_copurchase_train(db, 100, &options, NULL));
    (void)train(100, NULL);
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_copurchase_for_item(db, "jam", NULL, &stream));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_copurchase_for_item(db, "jelly", NULL, &stream));
    tk_assert_fails(db, FBK_EINVAL, fbk_copurchase_for_item(db, NULL, NULL, &stream));
    query.order_by = 9;
    tk_assert_fails(db, FBK_EINVAL, fbk_copurchase_for_item(db, "tea", &query, &stream));
    rules.max_antecedent = 2;
    tk_assert_fails(db, FBK_ERANGE, fbk_copurchase_rules(db, &rules, &stream));
    rules.max_antecedent = 0;
    rules.min_confidence = .1;
    rules.max_rules = 3;
    tk_assert_fails(db, FBK_ETOOBIG, fbk_copurchase_rules(db, &rules, &stream));
    ck_assert_ptr_null(stream.release);
}
END_TEST

START_TEST(rules_need_what_was_counted)
{
    fbk_copurchase_options options = FBK_COPURCHASE_OPTIONS_INIT;
    fbk_copurchase_rules_options rules = FBK_COPURCHASE_RULES_OPTIONS_INIT;
    struct ArrowArrayStream stream = {0};
    fbk_arrow_rows rows = {0};
    int64_t len;
    const char *text;

    fill(db);
    options.max_set = 3;
    options.set_support = .2; /* of 7 orders: 2 */
    (void)train(100, &options);
    rules.min_support = .1;
    tk_assert_fails(db, FBK_ERANGE, fbk_copurchase_rules(db, &rules, &stream));
    options.set_support = .1;
    (void)train(100, &options);
    rules.min_confidence = 1.0;
    rules.separator = " & ";
    tk_assert_ok(db, fbk_copurchase_rules(db, &rules, &stream));
    ck_assert_int_eq(fbk_arrow_rows_open(&rows, &stream), FBK_OK);
    /* butter -> bread (4 orders), tea -> bread (3), butter & tea -> bread (1) */
    for (int i = 0; i < 3; i++) {
        static const char *const from[] = {"butter", "tea", "butter & tea"};
        static const int64_t orders[] = {4, 3, 1};

        ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_OK);
        text = fbk_arrow_rows_text(&rows, fbk_arrow_rows_column(&rows, "antecedent"), &len);
        ck_assert_int_eq(len, (int64_t)strlen(from[i]));
        ck_assert_int_eq(memcmp(text, from[i], (size_t)len), 0);
        text = fbk_arrow_rows_text(&rows, fbk_arrow_rows_column(&rows, "consequent"), &len);
        ck_assert_int_eq(memcmp(text, "bread", (size_t)len), 0);
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, fbk_arrow_rows_column(&rows, "orders")),
                         orders[i]);
    }
    ck_assert_int_eq(fbk_arrow_rows_next(&rows), FBK_DONE);
    fbk_arrow_rows_close(&rows);
}
END_TEST

static fbk_status
stop(void *user_data, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    return *(fbk_status *)user_data;
}

START_TEST(a_failed_training_keeps_the_old_model)
{
    fbk_copurchase_options options = FBK_COPURCHASE_OPTIONS_INIT;
    fbk_status answer = FBK_ECANCELLED;

    fill(db);
    options.min_people = 1;
    (void)train(100, &options);
    options.progress = stop;
    options.progress_data = &answer;
    tk_assert_fails(db, FBK_ECANCELLED, fbk_copurchase_train(db, 3, &options, NULL));
    answer = -4711;
    tk_assert_fails(db, FBK_ECALLBACK, fbk_copurchase_train(db, 200, &options, NULL));
    ck_assert_int_eq(pair_of("bread", "butter", NULL).orders, 4);
}
END_TEST

static uint64_t
model_hash(const fbk_copurchase_options *options)
{
    const fbk__copurchase_model *m = NULL;
    uint64_t hash;

    tk_assert_ok(db, fbk_copurchase_train(db, FBK_TIME_NONE, options, NULL));
    tk_assert_ok(db, fbk__copurchase_acquire(db, NULL, &m));
    hash = fbk__hash64(m->cp.body, m->cp.len);
    fbk__model_release(&m->model);
    return hash;
}

/* 3,000 orders of 60 of 2,000 items: some two million pairs do not go into one MiB. */
START_TEST(large_baskets_in_a_budget_and_on_threads)
{
    fbk_copurchase_options options = FBK_COPURCHASE_OPTIONS_INIT;
    uint64_t hash;
    fbk__batch batch;
    fbk__rng rng;

    fbk__rng_seed(&rng, 9);
    fbk__batch_init(&batch, fbk__a(db));
    for (int i = 0; i < 3000; i++) {
        char id[16], sku[60][8];
        const char *items[60];
        tk_sale sale = {.id = id, .items = items, .n_items = 60};

        (void)snprintf(id, sizeof id, "%d", i);
        for (int k = 0; k < 60; k++) {
            (void)snprintf(sku[k], sizeof sku[k], "i%d", (int)fbk__rng_below(&rng, 2000));
            items[k] = sku[k];
        }
        tk_sale_add(&batch, &sale);
    }
    tk_assert_ok(db, tk_sales_append(db, &batch));
    fbk__batch_free(&batch);
    options.memory_mib = 1;
    tk_assert_fails(db, FBK_ETOOBIG, fbk_copurchase_train(db, FBK_TIME_NONE, &options, NULL));
    options.memory_mib = 4;
    tk_assert_fails(db, FBK_ETOOBIG, fbk_copurchase_train(db, FBK_TIME_NONE, &options, NULL));
    options.memory_mib = 64;
    hash = model_hash(&options);
    options.threads = 2;
    ck_assert_uint_eq(model_hash(&options), hash);
    options.threads = 8;
    ck_assert_uint_eq(model_hash(&options), hash);
    options.threads = 65;
    tk_assert_fails(db, FBK_ERANGE, fbk_copurchase_train(db, FBK_TIME_NONE, &options, NULL));
    options.threads = 1;
    options.reserved0 = 1;
    tk_assert_fails(db, FBK_EINVAL, fbk_copurchase_train(db, FBK_TIME_NONE, &options, NULL));
}
END_TEST

static fbk_status
everything(fbk *on)
{
    fbk_copurchase_options options = FBK_COPURCHASE_OPTIONS_INIT;
    fbk_copurchase_rules_options rules = FBK_COPURCHASE_RULES_OPTIONS_INIT;
    struct ArrowArrayStream stream = {0};
    fbk_status rc;

    options.max_set = 3;
    options.min_people = 1;
    options.flags = FBK_COPURCHASE_EVALUATE;
    rc = fbk_copurchase_train(on, 100, &options, NULL);
    if (rc == FBK_OK)
        rc = fbk_copurchase_for_item(on, "bread", NULL, &stream);
    if (stream.release)
        stream.release(&stream);
    ck_assert_ptr_null(stream.release);
    rules.min_confidence = .1;
    if (rc == FBK_OK)
        rc = fbk_copurchase_rules(on, &rules, &stream);
    if (stream.release)
        stream.release(&stream);
    return rc;
}

START_TEST(every_allocation_may_fail)
{
    fbk_status rc = FBK_ENOMEM;
    tk_alloc a;

    teardown();
    tk_alloc_init(&a);
    for (int64_t k = 0; rc != FBK_OK; k++) {
        tk_alloc_init(&a);
        open_at(":memory:", &a.allocator);
        fill(db);
        a.n_calls = 0;
        a.fail_at = k;
        rc = everything(db);
        ck_assert_msg(rc == FBK_OK || rc == FBK_ENOMEM, "%lld: %s: %s", (long long)k,
                      fbk_status_name(rc), fbk_errmsg(db));
        ck_assert(rc == FBK_OK || fbk_errmsg(db)[0]);
        a.fail_at = -1;
        tk_assert_ok(db, everything(db));
        teardown();
        ck_assert_int_eq(a.n_live, 0);
        ck_assert_int_lt(k, 2000);
    }
    ck_assert_int_gt(a.n_calls, 50);
    setup();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("copurchase");
    TCase *tc = tcase_create("core");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, orders_and_people_are_counted);
    tcase_add_test(tc, flags_and_as_of_are_options);
    tcase_add_test(tc, an_unlinked_cookie_is_another_person);
    tcase_add_test(tc, sizes_count_as_their_style);
    tcase_add_loop_test(tc, queries_come_in_the_order_asked_for, 0, 5);
    tcase_add_test(tc, what_cannot_be_done_says_so);
    tcase_add_test(tc, rules_need_what_was_counted);
    tcase_add_test(tc, a_failed_training_keeps_the_old_model);
    tcase_add_test(tc, large_baskets_in_a_budget_and_on_threads);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_set_timeout(tc, 120);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
