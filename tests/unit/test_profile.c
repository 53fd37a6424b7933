/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/catalogue.h>
#include <feedback/clv.h>
#include <feedback/copurchase.h>
#include <feedback/identity.h>
#include <feedback/profile.h>
#include <feedback/rfm.h>
#include <feedback/store.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "support/tk.h"
#include "support/tk_sale.h"

static fbk_store *store;
static fbk *db;

static void
open_with(const fbk_allocator *a)
{
    fbk_store_options options = {
        .struct_size = (uint32_t)sizeof options, .flags = FBK_STORE_CREATE, .allocator = a};

    tk_assert_ok(NULL, fbk_store_open(":memory:", &options, &store, NULL));
    tk_assert_ok(NULL, fbk_connect(store, &db));
}

static void
setup(void)
{
    open_with(NULL);
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
#define DAY(n) (INT64_C(1300190400000000) + (n)*FBK__DAY_US) /* noon of 2011-03-15 and later */

/* Ann comes with a cookie, says who she is, buys three times, brings something back. */
static void
fill(fbk *on)
{
    const tk_sale sales[] = {
        {.id = "visit",
         .kind = "view",
         .cookie = "c7",
         .occurred_us = DAY(0),
         .items = ITEMS("tea")},
        {.id = "o1",
         .person = "ann",
         .cookie = "c7",
         .occurred_us = DAY(1),
         .place = "south",
         .amount_micro = 5000000,
         .items = ITEMS("tea", "cup")},
        {.id = "o2", .person = "ann", .occurred_us = DAY(11), .items = ITEMS("tea \"best\"")},
        {.id = "o3", .person = "ann", .occurred_us = DAY(21), .items = ITEMS("tea", "bread")},
        {.id = "back",
         .person = "ann",
         .kind = "return",
         .occurred_us = DAY(22),
         .quantity_milli = -1000,
         .amount_micro = -5000000,
         .items = ITEMS("cup")},
        {.id = "later", .person = "ann", .occurred_us = DAY(900), .items = ITEMS("cup")},
        {.id = "b1", .person = "bob", .occurred_us = DAY(5), .items = ITEMS("tea", "bread")},
        {.id = "c1", .person = "cid", .occurred_us = DAY(5), .items = ITEMS("tea", "bread")},
        {.id = "c2", .person = "cid", .occurred_us = DAY(9), .items = ITEMS("tea")},
    };
    static const char *const categories[][2] = {{"tea", "food/tea"},
                                                {"tea \"best\"", "food/tea"},
                                                {"bread", "food/bread"},
                                                {"cup", "home"}};
    fbk_item item = FBK_ITEM_INIT;
    fbk__batch batch;

    fbk__batch_init(&batch, fbk__a(on));
    for (size_t i = 0; i < sizeof sales / sizeof sales[0]; i++)
        tk_sale_add(&batch, &sales[i]);
    tk_assert_ok(on, tk_sales_append(on, &batch));
    fbk__batch_free(&batch);
    for (size_t i = 0; i < sizeof categories / sizeof categories[0]; i++) {
        item.sku = categories[i][0];
        item.category = categories[i][1];
        tk_assert_ok(on, fbk_item_upsert(on, &item));
    }
}

static void
train(fbk *on)
{
    fbk_copurchase_options options = FBK_COPURCHASE_OPTIONS_INIT;

    options.min_people = 1;
    tk_assert_ok(on, fbk_copurchase_train(on, DAY(30), &options, NULL));
    tk_assert_ok(on, fbk_rfm_train(on, DAY(30), NULL));
    tk_assert_ok(on, fbk_clv_train(on, DAY(30), NULL, NULL));
}

START_TEST(numbers_of_any_identifier)
{
    static const char *const who[][2] = {{"customer", "ann"}, {"cookie", "c7"}};
    fbk_profile p = {.struct_size = (uint32_t)sizeof p};

    fill(db);
    tk_assert_ok(db, fbk_profile_view(db, who[_i][0], who[_i][1], DAY(30), NULL, &p));
    ck_assert_uint_eq(p.flags, 0); /* nothing trained yet */
    ck_assert_uint_eq(p.n_identifiers, 2);
    ck_assert_uint_eq(p.n_events, 5);
    ck_assert_int_eq(p.first_us, DAY(0));
    ck_assert_int_eq(p.last_us, DAY(22));
    ck_assert_uint_eq(p.n_orders, 3);
    ck_assert_uint_eq(p.n_returns, 1);
    ck_assert_int_eq(p.revenue_micro, 8000000); /* 2 * 5 + 1 + 2 - 5 */
    ck_assert_int_eq(p.returned_micro, 5000000);
    ck_assert_str_eq(p.currency, "EUR");
    ck_assert_str_eq(p.note, "");
    train(db);
    tk_assert_ok(db, fbk_profile_view(db, who[_i][0], who[_i][1], DAY(30), NULL, &p));
    ck_assert_uint_eq(p.flags & (FBK_PROFILE_HAS_RFM | FBK_PROFILE_HAS_CLV),
                      FBK_PROFILE_HAS_RFM | FBK_PROFILE_HAS_CLV);
    ck_assert_int_ge(p.r, 4);
    ck_assert_int_ge(p.f, 4);
    ck_assert_int_eq(p.recency_days, 9);
    ck_assert(p.segment[0] != '\0');
    ck_assert(p.expected_orders > 0.0 && p.horizon_days == 365.0);
    ck_assert_int_gt(p.expected_value_micro, 0);
}
END_TEST

START_TEST(what_p_alive_means_is_said)
{
    fbk_profile p = {.struct_size = (uint32_t)sizeof p};
    fbk_clv_report report = FBK_CLV_REPORT_INIT;

    /* Four customers: no dropout can be seen in them. */
    fill(db);
    train(db);
    tk_assert_ok(db, fbk_clv_train(db, DAY(30), NULL, &report));
    ck_assert_uint_eq(report.status, FBK_CLV_NO_DROPOUT);
    tk_assert_ok(db, fbk_profile_view(db, "customer", "ann", DAY(30), NULL, &p));
    ck_assert_uint_ne(p.flags & FBK_PROFILE_ALIVE_VOID, 0);
    ck_assert_ptr_nonnull(strstr(p.note, "carries no information"));
    /* Before anybody's second order. */
    tk_assert_ok(db, fbk_clv_train(db, DAY(8), NULL, &report));
    ck_assert_uint_eq(report.status, FBK_CLV_NO_REPEAT);
    tk_assert_ok(db, fbk_profile_view(db, "customer", "bob", DAY(8), NULL, &p));
    ck_assert_ptr_nonnull(strstr(p.note, "nobody in this shop has ordered on a second day"));
    ck_assert(p.expected_orders == 0.0);
    /* Who has only looked so far is not lost: there is no forecast. */
    tk_assert_ok(db, fbk_profile_view(db, "cookie", "c7", DAY(1), NULL, &p));
    ck_assert_uint_eq(p.n_events, 1);
    ck_assert_uint_eq(p.flags & (FBK_PROFILE_HAS_CLV | FBK_PROFILE_ALIVE_VOID), 0);
}
END_TEST

/* 400 people who order weekly and drop out after some orders, 200 who came once. */
START_TEST(one_order_is_alive_by_assumption)
{
    fbk_profile p = {.struct_size = (uint32_t)sizeof p};
    fbk_clv_report report = FBK_CLV_REPORT_INIT;
    fbk__batch batch;

    fbk__batch_init(&batch, fbk__a(db));
    for (int i = 0; i < 600; i++) {
        int n = i < 200 ? 1 : 2 + i * 7919 % 12;

        for (int k = 0; k < n; k++) {
            char id[24], person[16];
            tk_sale sale = {.id = id, .person = person, .items = ITEMS("tea")};

            (void)snprintf(id, sizeof id, "%d/%d", i, k);
            (void)snprintf(person, sizeof person, "p%d", i);
            sale.occurred_us = DAY(i % 30 + 7 * k);
            tk_sale_add(&batch, &sale);
        }
    }
    tk_assert_ok(db, tk_sales_append(db, &batch));
    fbk__batch_free(&batch);
    tk_assert_ok(db, fbk_clv_train(db, DAY(365), NULL, &report));
    ck_assert_uint_eq(report.status, FBK_CLV_FULL);
    tk_assert_ok(db, fbk_profile_view(db, "customer", "p5", DAY(365), NULL, &p));
    ck_assert_uint_eq(p.flags, FBK_PROFILE_HAS_CLV | FBK_PROFILE_ALIVE_ASSUMED);
    ck_assert(p.p_alive == 1.0);
    ck_assert_ptr_nonnull(strstr(p.note, "one-time buyers"));
    tk_assert_ok(db, fbk_profile_view(db, "customer", "p250", DAY(365), NULL, &p));
    ck_assert_uint_eq(p.flags, FBK_PROFILE_HAS_CLV);
    ck_assert(p.p_alive > 0.0 && p.p_alive < 1.0);
    ck_assert_str_eq(p.note, "");
}
END_TEST

static void
text_is(const fbk_arrow_rows *rows, const char *column, const char *want)
{
    int64_t len, at = fbk_arrow_rows_column(rows, column);
    const char *text = fbk_arrow_rows_text(rows, at, &len);

    ck_assert_int_eq(fbk_arrow_rows_null(rows, at), want == NULL);
    if (!want)
        return;
    ck_assert_int_eq(len, (int64_t)strlen(want));
    ck_assert_int_eq(memcmp(text, want, (size_t)len), 0);
}

START_TEST(last_actions_newest_first)
{
    static const struct {
        const char *kind, *items, *place;
        int64_t day, amount;
    } want[] = {{"return", "cup", NULL, 22, -5000000},
                {"sale", "tea, bread", NULL, 21, 2000000},
                {"sale", "tea \"best\"", NULL, 11, 1000000},
                {"sale", "tea, cup", "south", 1, 10000000},
                {"view", "tea", NULL, 0, 1000000}};
    fbk_profile_options options = FBK_PROFILE_OPTIONS_INIT;
    struct ArrowArrayStream stream;
    fbk_arrow_rows rows = {0};
    int i = 0;

    fill(db);
    options.n_actions = (uint32_t)_i;
    tk_assert_ok(db, fbk_profile_actions(db, "cookie", "c7", DAY(30), &options, &stream));
    ck_assert_int_eq(fbk_arrow_rows_open(&rows, &stream), FBK_OK);
    while (fbk_arrow_rows_next(&rows) == FBK_OK) {
        ck_assert_int_lt(i, 5);
        text_is(&rows, "kind", want[i].kind);
        text_is(&rows, "items", want[i].items);
        text_is(&rows, "place", want[i].place);
        text_is(&rows, "source", "till 1");
        text_is(&rows, "channel", NULL);
        text_is(&rows, "order_ref", NULL);
        text_is(&rows, "currency", "EUR");
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, fbk_arrow_rows_column(&rows, "time")),
                         DAY(want[i].day));
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, fbk_arrow_rows_column(&rows, "amount_micro")),
                         want[i].amount);
        i++;
    }
    fbk_arrow_rows_close(&rows);
    ck_assert_int_eq(i, _i && _i < 5 ? _i : 5);
}
END_TEST

START_TEST(favourite_categories_by_orders)
{
    static const struct {
        const char *category;
        int64_t n_orders, revenue;
    } want[] = {{"food/tea", 3, 7000000}, {"food/bread", 1, 1000000}, {"home", 1, 0}};
    struct ArrowArrayStream stream;
    fbk_arrow_rows rows = {0};
    int i = 0;

    fill(db);
    tk_assert_ok(db, fbk_profile_categories(db, "customer", "ann", DAY(30), NULL, &stream));
    ck_assert_int_eq(fbk_arrow_rows_open(&rows, &stream), FBK_OK);
    while (fbk_arrow_rows_next(&rows) == FBK_OK) {
        ck_assert_int_lt(i, 3);
        text_is(&rows, "category", want[i].category);
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, fbk_arrow_rows_column(&rows, "n_orders")),
                         want[i].n_orders);
        ck_assert_int_eq(fbk_arrow_rows_int64(&rows, fbk_arrow_rows_column(&rows, "revenue_micro")),
                         want[i].revenue);
        i++;
    }
    fbk_arrow_rows_close(&rows);
    ck_assert_int_eq(i, 3);
}
END_TEST

static json_t *
document(const char *space, const char *value, fbk_time as_of_us)
{
    json_error_t error;
    char *text = NULL;
    json_t *json;

    tk_assert_ok(db, fbk_profile_json(db, space, value, as_of_us, NULL, &text));
    json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(json != NULL, "%s at %d: %s", error.text, error.position, text);
    fbk_profile_json_free(db, text);
    return json;
}

START_TEST(everything_as_one_document)
{
    json_t *json, *part;

    fill(db);
    json = document("cookie", "c7", DAY(30));
    ck_assert_uint_eq(json_array_size(json_object_get(json, "recommendations")), 0);
    ck_assert(json_is_null(json_object_get(json_object_get(json, "rfm"), "r")));
    json_decref(json);
    train(db);
    json = document("cookie", "c7", DAY(30));
    ck_assert_int_eq(json_integer_value(json_object_get(json, "n_orders")), 3);
    ck_assert_str_eq(json_string_value(json_object_get(json, "first_seen")),
                     "2011-03-15T12:00:00Z");
    ck_assert_uint_eq(json_array_size(json_object_get(json, "identifiers")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "actions")), 5);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "categories")), 3);
    part = json_array_get(json_object_get(json, "actions"), 2);
    ck_assert_str_eq(json_string_value(json_object_get(part, "items")), "tea \"best\"");
    part = json_object_get(json, "forecast");
    ck_assert(json_is_null(json_object_get(part, "p_alive"))); /* it would say nothing */
    ck_assert(json_is_string(json_object_get(part, "note")));
    part = json_array_get(json_object_get(json, "recommendations"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(part, "item")), "tea");
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(part, "why")), "orders"));
    json_decref(json);
}
END_TEST

START_TEST(bytes_that_are_no_text_are_null)
{
    json_t *json, *part;

    tk_sell(db,
            &(tk_sale){.id = "1", .person = "ann", .occurred_us = 5, .items = ITEMS("\xff\x01")});
    tk_sell(db,
            &(tk_sale){.id = "2", .person = "ann", .occurred_us = 6, .items = ITEMS("a\tb\x02")});
    json = document("customer", "ann", DAY(0));
    part = json_array_get(json_object_get(json, "actions"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(part, "items")), "a\tb\x02");
    part = json_array_get(json_object_get(json, "actions"), 1);
    ck_assert(json_is_null(json_object_get(part, "items")));
    json_decref(json);
}
END_TEST

START_TEST(what_cannot_be_done_says_so)
{
    fbk_profile_options options = FBK_PROFILE_OPTIONS_INIT;
    fbk_profile p = {.struct_size = (uint32_t)sizeof p};
    struct ArrowArrayStream stream = {0};
    char *json = NULL;

    fill(db);
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_profile_view(db, "customer", "zoe", DAY(1), NULL, &p));
    tk_assert_fails(db, FBK_ENOTFOUND,
                    fbk_profile_json(db, "customer", "zoe", DAY(1), NULL, &json));
    tk_assert_fails(db, FBK_EINVAL, fbk_profile_view(db, NULL, "ann", DAY(1), NULL, &p));
    tk_assert_fails(db, FBK_EINVAL, fbk_profile_view(db, "customer", "ann", DAY(1), NULL, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_profile_actions(db, "customer", "ann", DAY(1), NULL, NULL));
    tk_assert_fails(db, FBK_EINVAL,
                    fbk_profile_categories(db, "customer", "ann", DAY(1), NULL, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_profile_json(db, "customer", "ann", DAY(1), NULL, NULL));
    tk_assert_fails(db, FBK_ERANGE,
                    fbk_profile_view(db, "customer", "ann", FBK_TIME_NONE, NULL, &p));
    options.n_actions = 10001;
    tk_assert_fails(db, FBK_ERANGE,
                    fbk_profile_actions(db, "customer", "ann", DAY(1), &options, &stream));
    options.n_actions = 0;
    options.horizon_days = -1;
    tk_assert_fails(db, FBK_ERANGE, fbk_profile_view(db, "customer", "ann", DAY(1), &options, &p));
    p.struct_size = 16;
    tk_assert_fails(db, FBK_EABI, fbk_profile_view(db, "customer", "ann", DAY(1), NULL, &p));
    ck_assert_ptr_null(stream.release);
    ck_assert_ptr_null(json);
    fbk_profile_json_free(db, NULL);
}
END_TEST

static fbk_status
everything(fbk *on)
{
    struct ArrowArrayStream stream = {0};
    fbk_profile p = {.struct_size = (uint32_t)sizeof p};
    char *json = NULL;
    fbk_status rc = fbk_profile_view(on, "customer", "ann", DAY(30), NULL, &p);

    ck_assert_int_eq(rc == FBK_OK, p.n_events == 5);
    if (rc == FBK_OK)
        rc = fbk_profile_actions(on, "customer", "ann", DAY(30), NULL, &stream);
    if (stream.release)
        stream.release(&stream);
    if (rc == FBK_OK)
        rc = fbk_profile_categories(on, "customer", "ann", DAY(30), NULL, &stream);
    if (stream.release)
        stream.release(&stream);
    if (rc == FBK_OK)
        rc = fbk_profile_json(on, "customer", "ann", DAY(30), NULL, &json);
    ck_assert_int_eq(rc == FBK_OK, json != NULL);
    fbk_profile_json_free(on, json);
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
        open_with(&a.allocator);
        fill(db);
        train(db);
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
        ck_assert_int_lt(k, 3000);
    }
    ck_assert_int_gt(a.n_calls, 100);
    setup();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("profile");
    TCase *tc = tcase_create("core");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, numbers_of_any_identifier, 0, 2);
    tcase_add_test(tc, what_p_alive_means_is_said);
    tcase_add_test(tc, one_order_is_alive_by_assumption);
    tcase_add_loop_test(tc, last_actions_newest_first, 0, 6);
    tcase_add_test(tc, favourite_categories_by_orders);
    tcase_add_test(tc, everything_as_one_document);
    tcase_add_test(tc, bytes_that_are_no_text_are_null);
    tcase_add_test(tc, what_cannot_be_done_says_so);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_set_timeout(tc, 180);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
