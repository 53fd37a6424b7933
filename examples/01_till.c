/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A till: ring up carts, learn what goes together, and say what to offer with the cart at hand. */
#include <feedback/feedback.h>

#include <stdio.h>

static const char *const carts[][3] = {
    {"espresso", "croissant", NULL}, {"espresso", "croissant", "water"},
    {"tea", "scone", "jam"},         {"tea", "scone", NULL},
    {"espresso", "croissant", NULL}, {"tea", "jam", NULL},
    {"espresso", "water", NULL},     {"tea", "scone", "jam"},
};
enum { N_CARTS = sizeof carts / sizeof carts[0], N_SALES = 40, HOUR = 3600 };

static const fbk_time opening = INT64_C(1767603600000000); /* 2026-01-05 09:00 UTC */

/* One sale: its id makes it unique for ever, so that sending it again does no harm. */
static fbk_status
ring_up(fbk *db, int number)
{
    static const int64_t prices[3] = {2800000, 2200000, 1900000};
    static const char *const spaces[] = {"loyalty"};
    char id[32];
    char card[32];
    const char *values[1] = {card};
    fbk_event sale = FBK_EVENT_INIT;

    (void)snprintf(id, sizeof id, "till1-%06d", number);
    (void)snprintf(card, sizeof card, "card-%d", number % 16);
    sale.event_id = id;
    sale.kind = FBK_KIND_SALE;
    sale.source = "till 1";
    sale.occurred_us = opening + (fbk_time)number * HOUR * 1000000;
    sale.items = carts[number % N_CARTS];
    sale.n_lines = carts[number % N_CARTS][2] ? 3 : 2;
    sale.unit_price_micro = prices;
    sale.namespaces = spaces;
    sale.values = values;
    sale.n_identifiers = 1;
    return fbk_event_append(db, &sale, NULL);
}

static fbk_status
offer(fbk *db, const char *item)
{
    enum { N = 2, SKU = 32, WHY = 128 };
    char skus[N * SKU];
    char whys[N * WHY];
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    fbk_recommendations answers = FBK_RECOMMENDATIONS_INIT;
    fbk_status rc;

    request.n = N;
    request.basket = &item;
    request.n_basket = 1;
    request.as_of_us = opening + (fbk_time)N_SALES * HOUR * 1000000;
    answers.capacity = N;
    answers.sku_size = SKU;
    answers.why_size = WHY;
    answers.skus = skus;
    answers.whys = whys;
    rc = fbk_recommend(db, &request, &answers);
    if (rc < 0)
        return rc;
    printf("with %s:\n", item);
    for (uint32_t i = 0; i < answers.n; i++)
        printf("  %s: %s\n", skus + i * SKU, whys + i * WHY);
    return rc;
}

int
main(void)
{
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;
    fbk_store *store = NULL;
    fbk *db = NULL;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};
    fbk_status rc;

    options.flags = FBK_STORE_CREATE;
    rc = fbk_store_open(":memory:", &options, &store, &info); /* or "shop.fbk" */
    if (rc < 0) {
        (void)fprintf(stderr, "%s\n", info.message);
        return 1;
    }
    rc = fbk_connect(store, &db);
    for (int i = 0; rc >= 0 && i < N_SALES; i++)
        rc = ring_up(db, i);
    if (rc >= 0)
        rc = fbk_copurchase_train(db, opening + (fbk_time)N_SALES * HOUR * 1000000, NULL, NULL);
    if (rc >= 0)
        rc = offer(db, "espresso");
    if (rc >= 0)
        rc = offer(db, "tea");
    if (rc < 0)
        (void)fprintf(stderr, "%s: %s\n", fbk_status_name(rc), fbk_errmsg(db));
    fbk_close(db);
    fbk_store_close(store);
    return rc < 0;
}
