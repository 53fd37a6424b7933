/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/copurchase.h>
#include <feedback/recommend.h>
#include <feedback/store.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/tk.h"
#include "support/tk_sale.h"

/* Next basket on TaFeng, as prepared for Li et al., TOIS 2023: all baskets but a person's last are
 * sold through a store, the last is the target; recall@10 over every seventh person, none of those
 * whom the weights of the recommendation were chosen on. To be beaten: popularity .080, a person's
 * own frequency .135, TIFUKNN as published .1301. */

enum { SEVENTH = 3, BATCH = 4000 };

static fbk_store *store;
static fbk *db;

static json_t *
load(const char *name)
{
    const char *path = tk_data(name);
    json_error_t error;
    json_t *json;
    size_t len;
    char *text;

    if (!path)
        return NULL;
    text = tk_slurp(path, &len);
    json = json_loadb(text, len, 0, &error);
    ck_assert_msg(json != NULL, "%s: %s", name, error.text);
    free(text);
    return json;
}

/* The SKUs of a basket; [-1] marks the ends and has none. */
static size_t
basket_of(const json_t *basket, char (*skus)[24], const char **items, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(basket) && n < max; i++) {
        json_int_t item = json_integer_value(json_array_get(basket, i));

        if (item < 0)
            continue;
        (void)snprintf(skus[n], sizeof skus[n], "%lld", (long long)item);
        items[n] = skus[n];
        n++;
    }
    return n;
}

static void
sell_all(json_t *history)
{
    static char skus[2000][24];
    static const char *items[2000];
    const char *person;
    json_t *baskets;
    fbk__batch batch;

    fbk__batch_init(&batch, fbk__a(db));
    json_object_foreach(history, person, baskets)
    {
        for (size_t k = 0; k < json_array_size(baskets); k++) {
            char id[32];
            tk_sale sale = {.id = id,
                            .person = person,
                            .occurred_us = (int64_t)k * 86400000000,
                            .items = items};

            (void)snprintf(id, sizeof id, "%s/%zu", person, k);
            sale.n_items = basket_of(json_array_get(baskets, k), skus, items, 2000);
            if (sale.n_items)
                tk_sale_add(&batch, &sale);
        }
        if (batch.n_events >= BATCH)
            tk_assert_ok(db, tk_sales_append(db, &batch));
    }
    tk_assert_ok(db, tk_sales_append(db, &batch));
    fbk__batch_free(&batch);
}

static double
recall_of(const char *person, json_t *future)
{
    static char wanted[2000][24];
    static const char *targets[2000];
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    fbk_recommendations out = FBK_RECOMMENDATIONS_INIT;
    char skus[10][24];
    size_t n = 0, hits = 0;

    for (size_t k = 0; n == 0 && k < json_array_size(future); k++)
        n = basket_of(json_array_get(future, k), wanted, targets, 2000);
    request.as_of_us = FBK_TIME_MAX;
    request.space = "customer";
    request.value = person;
    out.capacity = 10;
    out.skus = skus[0];
    out.sku_size = sizeof skus[0];
    tk_assert_ok(db, fbk_recommend(db, &request, &out));
    ck_assert_uint_eq(out.n, 10);
    for (uint32_t i = 0; i < out.n; i++) {
        for (size_t k = 0; k < n; k++)
            hits += strcmp(skus[i], targets[k]) == 0;
    }
    return (double)hits / (double)n;
}

START_TEST(next_basket)
{
    json_t *history = load("nbr_tafeng_realitycheck/tafeng_history.json.zst");
    json_t *future = load("nbr_tafeng_realitycheck/tafeng_future.json.zst");
    fbk_store_options options = {.struct_size = (uint32_t)sizeof options,
                                 .flags = FBK_STORE_CREATE,
                                 .durability = FBK_DURABILITY_NORMAL};
    fbk_copurchase_report report = {.struct_size = (uint32_t)sizeof report};
    size_t at = 0, n = 0;
    const char *person;
    json_t *baskets;
    double sum = 0.0;

    if (!history || !future)
        tk_skip("the TaFeng data are not here");
    tk_assert_ok(NULL, fbk_store_open(tk_path("tafeng.fbk"), &options, &store, NULL));
    tk_assert_ok(NULL, fbk_connect(store, &db));
    sell_all(history);
    tk_assert_ok(db, fbk_copurchase_train(db, FBK_TIME_NONE, NULL, &report));
    ck_assert_uint_eq(report.n_people, 13858);
    ck_assert_uint_eq(report.n_orders, 77369); /* 91,227 less everybody's last */
    json_object_foreach(history, person, baskets)
    {
        if (at++ % 7 != SEVENTH)
            continue;
        sum += recall_of(person, json_object_get(future, person));
        n++;
    }
    ck_assert_uint_ge(n, 1979);
    ck_assert_double_eq_tol(sum / (double)n, .144, .002);
    fbk_close(db);
    fbk_store_close(store);
    json_decref(history);
    json_decref(future);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tafeng");
    TCase *tc = tcase_create("core");

    tcase_add_test(tc, next_basket);
    tcase_set_timeout(tc, 240);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
