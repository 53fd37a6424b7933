/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/copurchase.h>
#include <feedback/store.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/copurchase.h"
#include "record/catalogue.h"
#include "support/tk.h"
#include "support/tk_sale.h"

/* Groceries (Hahsler et al. 2006): 9,835 baskets of 169 items, through a store. The number of rules
 * is published: 410 at support .001 and confidence .8 in the documentation of arules, 463 at .006
 * and .25 in Lantz, Machine Learning with R; 13,492 itemsets and the counts of the commonest items
 * were computed with an independent Apriori. Names are byte-exact. */

static fbk_store *store;
static fbk *db;
static bool absent;

static void
basket_add(fbk__batch *batch, char *line, uint32_t number)
{
    const char *items[64];
    char id[32];
    tk_sale sale = {.id = id, .occurred_us = (int64_t)number * 1000000, .items = items};

    (void)snprintf(id, sizeof id, "basket %u", number);
    for (char *p = line; p && sale.n_items < 64;) {
        items[sale.n_items++] = p;
        p = strchr(p, ',');
        if (p)
            *p++ = '\0';
    }
    tk_sale_add(batch, &sale);
}

static void
setup(void)
{
    const char *path = tk_data("groceries/groceries_baskets.csv.zst");
    fbk_store_options options = {.struct_size = (uint32_t)sizeof options,
                                 .flags = FBK_STORE_CREATE};
    uint32_t number = 0;
    fbk__batch batch;
    size_t len;
    char *text;

    absent = !path;
    if (absent)
        return;
    tk_assert_ok(NULL, fbk_store_open(tk_path("groceries.fbk"), &options, &store, NULL));
    tk_assert_ok(NULL, fbk_connect(store, &db));
    text = tk_slurp(path, &len);
    fbk__batch_init(&batch, fbk__a(db));
    for (char *p = text; *p;) {
        char *end = strchr(p, '\n');

        if (end)
            *end = '\0';
        if (*p)
            basket_add(&batch, p, ++number);
        p = end ? end + 1 : p + strlen(p);
        if (batch.n_events == 2000)
            tk_assert_ok(db, tk_sales_append(db, &batch));
    }
    tk_assert_ok(db, tk_sales_append(db, &batch));
    fbk__batch_free(&batch);
    free(text);
}

static void
teardown(void)
{
    fbk_close(db);
    fbk_store_close(store);
    db = NULL;
    store = NULL;
}

static int64_t
count_rules(double support, double confidence)
{
    fbk_copurchase_rules_options options = FBK_COPURCHASE_RULES_OPTIONS_INIT;
    struct ArrowArrayStream stream;
    fbk_arrow_rows rows = {0};
    int64_t n = 0, n_antecedent = 0;
    double last = 2.0;

    options.min_support = support;
    options.min_confidence = confidence;
    tk_assert_ok(db, fbk_copurchase_rules(db, &options, &stream));
    ck_assert_int_eq(fbk_arrow_rows_open(&rows, &stream), FBK_OK);
    while (fbk_arrow_rows_next(&rows) == FBK_OK) {
        double c = fbk_arrow_rows_double(&rows, fbk_arrow_rows_column(&rows, "confidence"));
        double s = fbk_arrow_rows_double(&rows, fbk_arrow_rows_column(&rows, "support"));

        ck_assert(c >= confidence && s >= support && c <= last);
        last = c;
        n_antecedent += fbk_arrow_rows_int64(&rows, fbk_arrow_rows_column(&rows, "n_antecedent"));
        n++;
    }
    fbk_arrow_rows_close(&rows);
    ck_assert_int_gt(n_antecedent, n);
    return n;
}

static uint32_t
orders_of(const fbk__copurchase *cp, const char *sku)
{
    uint32_t item = 0;

    tk_assert_ok(db, fbk__item_resolve(db, sku, strlen(sku), false, &item));
    return cp->orders[fbk__copurchase_find(cp, item)];
}

START_TEST(published_rules)
{
    fbk_copurchase_options options = FBK_COPURCHASE_OPTIONS_INIT;
    fbk_copurchase_report report = {.struct_size = (uint32_t)sizeof report};
    const fbk__copurchase_model *model = NULL;
    uint64_t n_pairs = 0, n_items = 0;

    if (absent)
        tk_skip("the groceries data are not here");
    options.max_set = 8;
    options.set_support = .001;
    options.flags = FBK_COPURCHASE_EVALUATE;
    tk_assert_ok(db, fbk_copurchase_train(db, FBK_TIME_NONE, &options, &report));
    ck_assert_uint_eq(report.n_events, 9835);
    ck_assert_uint_eq(report.n_orders, 9835);
    ck_assert_uint_eq(report.n_people, 9835);
    ck_assert_uint_eq(report.n_anonymous, 9835);
    ck_assert_uint_eq(report.n_items, 169);
    ck_assert_uint_eq(report.set_min_orders, 10);
    ck_assert_double_gt(report.hit_rate_prob, report.popular_rate_prob);
    tk_assert_ok(db, fbk__copurchase_acquire(db, NULL, &model));
    ck_assert_uint_eq(orders_of(&model->cp, "whole milk"), 2513);
    ck_assert_uint_eq(orders_of(&model->cp, "other vegetables"), 1903);
    ck_assert_uint_eq(orders_of(&model->cp, "rolls/buns"), 1809);
    /* Itemsets of any size: single items, pairs, and the larger ones. */
    for (uint32_t a = 0; a < model->cp.n_items; a++) {
        fbk__partner p;
        fbk__partners it;

        n_items += model->cp.orders[a] >= 10;
        fbk__partners_of(&model->cp, a, &it);
        while (fbk__partners_next(&it, &p))
            n_pairs += p.number > a && p.orders >= 10;
    }
    ck_assert_uint_eq(n_items + n_pairs + report.n_sets, 13492);
    fbk__model_release(&model->model);
    ck_assert_int_eq(count_rules(.001, .8), 410);
    ck_assert_int_eq(count_rules(.006, .25), 463);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("groceries");
    TCase *tc = tcase_create("core");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, published_rules);
    tcase_set_timeout(tc, 120);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
