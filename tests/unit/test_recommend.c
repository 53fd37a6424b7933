/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/catalogue.h>
#include <feedback/copurchase.h>
#include <feedback/model.h>
#include <feedback/place.h>
#include <feedback/recommend.h>
#include <feedback/store.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "model/climate.h"
#include "record/catalogue.h"
#include "record/weather.h"
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

/* The caller's arrays, and the structure that names them. */
typedef struct answers {
    char skus[32][32];
    double scores[32];
    int32_t reasons[32];
    char because[32][32];
    double factors[32];
    char whys[32][200];
    fbk_recommendations out;
} answers;

static void
answers_init(answers *a)
{
    memset(a, 0, sizeof *a);
    a->out = (fbk_recommendations)FBK_RECOMMENDATIONS_INIT;
    a->out.capacity = 32;
    a->out.sku_size = sizeof a->skus[0];
    a->out.why_size = sizeof a->whys[0];
    a->out.skus = a->skus[0];
    a->out.scores = a->scores;
    a->out.reasons = a->reasons;
    a->out.because = a->because[0];
    a->out.weather_factors = a->factors;
    a->out.whys = a->whys[0];
}

static const answers *
ask(const fbk_recommend_request *request)
{
    static answers a;

    answers_init(&a);
    tk_assert_ok(db, fbk_recommend(db, request, &a.out));
    return &a;
}

/* Place of a SKU in the answers, from 1; 0 = not there. */
static uint32_t
rank_of(const answers *a, const char *sku)
{
    for (uint32_t i = 0; i < a->out.n; i++) {
        if (strcmp(a->skus[i], sku) == 0)
            return i + 1;
    }
    return 0;
}

/* 20 people buy bread with butter, 4 bread with jam, 16 tea alone; ann is one who buys milk again and
 * again. North sells tea most. */
static void
fill(fbk *on)
{
    fbk__batch batch;
    char id[16], person[16];

    fbk__batch_init(&batch, fbk__a(on));
    for (int i = 0; i < 40; i++) {
        tk_sale sale = {.id = id, .person = person, .occurred_us = 1000 + i};

        (void)snprintf(id, sizeof id, "s%d", i);
        (void)snprintf(person, sizeof person, "p%d", i);
        sale.place = i < 20 ? "south" : "north";
        sale.items = i < 20   ? ITEMS("bread", "butter")
                     : i < 24 ? ITEMS("bread", "jam")
                              : ITEMS("tea");
        tk_sale_add(&batch, &sale);
    }
    for (int i = 0; i < 5; i++) {
        tk_sale sale = {.id = id, .person = "ann", .occurred_us = 1300190400000000 + i};

        (void)snprintf(id, sizeof id, "a%d", i);
        sale.place = "south";
        sale.items = i == 0 ? ITEMS("milk", "bread") : ITEMS("milk");
        tk_sale_add(&batch, &sale);
    }
    tk_assert_ok(on, tk_sales_append(on, &batch));
    fbk__batch_free(&batch);
}

static void
train(fbk *on)
{
    fbk_copurchase_options options = FBK_COPURCHASE_OPTIONS_INIT;

    options.min_people = 2;
    tk_assert_ok(on, fbk_copurchase_train(on, FBK_TIME_NONE, &options, NULL));
}

enum { NOW = 2000 };

START_TEST(a_basket_gets_what_goes_with_it)
{
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    const answers *a;

    fill(db);
    train(db);
    request.as_of_us = NOW;
    request.basket = ITEMS("bread");
    request.n_basket = 1;
    a = ask(&request);
    ck_assert_uint_eq(a->out.n, 4);
    ck_assert_str_eq(a->skus[0], "butter");
    ck_assert_int_eq(a->reasons[0], FBK_REASON_TOGETHER);
    ck_assert_str_eq(a->because[0], "bread");
    ck_assert_str_eq(a->whys[0], "20 of the 25 people who bought bread took it in the same order, "
                                 "1.6 times as many as by chance.");
    ck_assert_str_eq(a->skus[1], "jam");
    ck_assert_uint_eq(rank_of(a, "bread"), 0);
    ck_assert_int_eq(a->reasons[2], FBK_REASON_POPULAR);
    ck_assert_str_eq(a->skus[2], "tea");
    ck_assert_str_eq(a->whys[2], "Bought by 16 of 41 people.");
    ck_assert_str_eq(a->because[2], "");
    ck_assert(a->factors[0] == 1.0 && a->out.flags == 0);
    /* The page of an item is as a basket. */
    request.n_basket = 0;
    request.item = "jam";
    a = ask(&request);
    ck_assert_str_eq(a->skus[0], "bread");
    request.item = "caviar";
    a = ask(&request);
    ck_assert_uint_eq(a->out.flags, FBK_RECOMMENDED_UNKNOWN);
    ck_assert_int_eq(a->reasons[0], FBK_REASON_POPULAR);
}
END_TEST

START_TEST(a_person_gets_what_they_buy_again)
{
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    const answers *a;

    fill(db);
    train(db);
    request.as_of_us = FBK_TIME_MAX;
    request.space = "customer";
    request.value = "ann";
    a = ask(&request);
    ck_assert_str_eq(a->skus[0], "milk");
    ck_assert_int_eq(a->reasons[0], FBK_REASON_AGAIN);
    ck_assert_str_eq(a->whys[0], "In 5 of this person's 5 orders, last on 2011-03-15.");
    ck_assert_str_eq(a->skus[1], "butter");
    ck_assert_int_eq(a->reasons[1], FBK_REASON_HISTORY);
    ck_assert_str_eq(a->because[1], "bread");
    ck_assert_uint_eq(a->out.flags, 0);
    request.flags = FBK_RECOMMEND_NEW_ONLY;
    a = ask(&request);
    ck_assert_uint_eq(rank_of(a, "milk"), 0);
    ck_assert_uint_eq(rank_of(a, "bread"), 0);
    ck_assert_uint_eq(rank_of(a, "butter"), 1);
    /* Before the first order, and somebody unknown: the same as nobody. */
    request.flags = 0;
    request.as_of_us = NOW;
    a = ask(&request);
    ck_assert_uint_eq(a->out.flags, FBK_RECOMMENDED_COLD);
    ck_assert_str_eq(a->skus[0], "bread");
    request.value = "nobody at all";
    a = ask(&request);
    ck_assert_uint_eq(a->out.flags, FBK_RECOMMENDED_COLD);
    ck_assert_str_eq(a->skus[0], "bread");
}
END_TEST

START_TEST(a_place_has_its_own_stock_and_taste)
{
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    const answers *a;

    fill(db);
    train(db);
    request.as_of_us = NOW;
    request.place = "north";
    a = ask(&request);
    ck_assert_str_eq(a->skus[0], "tea");
    ck_assert_str_eq(a->whys[0], "Bought by 16 of the 20 people who bought at north.");
    tk_assert_ok(db, fbk_stock_set(db, "tea", "north", 0, 5));
    a = ask(&request);
    ck_assert_uint_eq(rank_of(a, "tea"), 0);
    request.flags = FBK_RECOMMEND_IGNORE_STOCK;
    ck_assert_uint_eq(rank_of(ask(&request), "tea"), 1);
    request.flags = 0;
    tk_assert_ok(db, fbk_stock_set(db, "tea", "north", 3000, 6));
    ck_assert_uint_eq(rank_of(ask(&request), "tea"), 1);
}
END_TEST

START_TEST(a_style_is_out_when_all_its_sizes_are)
{
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    fbk_item item = FBK_ITEM_INIT;

    for (int i = 0; i < 6; i++) {
        char id[8];

        (void)snprintf(id, sizeof id, "%d", i);
        tk_sell(db, &(tk_sale){.id = id,
                               .place = "shop",
                               .items = i % 2 ? ITEMS("shirt-s", "tie") : ITEMS("shirt-l", "tie")});
    }
    item.parent = "shirt";
    item.sku = "shirt-s";
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    item.sku = "shirt-l";
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    train(db);
    request.as_of_us = NOW;
    request.place = "shop";
    request.item = "tie";
    ck_assert_str_eq(ask(&request)->skus[0], "shirt");
    tk_assert_ok(db, fbk_stock_set(db, "shirt-s", "shop", 0, 5));
    ck_assert_str_eq(ask(&request)->skus[0], "shirt");
    tk_assert_ok(db, fbk_stock_set(db, "shirt-l", "shop", 0, 5));
    ck_assert_uint_eq(ask(&request)->out.n, 0);
    /* A size in the basket is its style. */
    request.place = NULL;
    request.item = "shirt-s";
    ck_assert_str_eq(ask(&request)->skus[0], "tie");
    ck_assert_uint_eq(rank_of(ask(&request), "shirt"), 0);
}
END_TEST

START_TEST(some_are_never_answered)
{
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    fbk_item item = FBK_ITEM_INIT;

    fill(db);
    train(db);
    request.as_of_us = NOW;
    request.exclude = ITEMS("butter", "unheard of");
    request.n_exclude = 2;
    ck_assert_uint_eq(rank_of(ask(&request), "butter"), 0);
    item.sku = "bread";
    item.flags = FBK_ITEM_DISCONTINUED;
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    ck_assert_uint_eq(rank_of(ask(&request), "bread"), 0);
    request.exclude = ITEMS("butter", "jam", "tea", "milk");
    request.n_exclude = 4;
    ck_assert_uint_eq(ask(&request)->out.n, 0);
}
END_TEST

/* -- against a naive count ---------------------------------------------------------------------- */

enum { N_ITEMS = 14, N_ORDERS = 260, N_PEOPLE = 25 };

typedef struct naive {
    int person[N_ORDERS]; /* 0 = nobody */
    bool has[N_ORDERS][N_ITEMS];
} naive;

static naive world;

static void
naive_make(uint64_t seed)
{
    fbk__batch batch;
    fbk__rng rng;

    fbk__rng_seed(&rng, seed);
    fbk__batch_init(&batch, fbk__a(db));
    for (int i = 0; i < N_ORDERS; i++) {
        char id[16], person[16], skus[N_ITEMS][8];
        const char *items[N_ITEMS];
        tk_sale sale = {.id = id, .items = items, .occurred_us = i};

        world.person[i] = (int)fbk__rng_below(&rng, N_PEOPLE);
        (void)snprintf(id, sizeof id, "%d", i);
        (void)snprintf(person, sizeof person, "p%d", world.person[i]);
        sale.person = world.person[i] ? person : NULL;
        for (int k = 0; k < N_ITEMS; k++) {
            world.has[i][k] = fbk__rng_below(&rng, (uint64_t)k + 2) == 0;
            if (!world.has[i][k])
                continue;
            (void)snprintf(skus[k], sizeof skus[k], "i%d", k);
            items[sale.n_items++] = skus[k];
        }
        if (!sale.n_items) {
            world.has[i][0] = true;
            items[sale.n_items++] = "i0";
        }
        tk_sale_add(&batch, &sale);
    }
    tk_assert_ok(db, tk_sales_append(db, &batch));
    fbk__batch_free(&batch);
}

/* People with both items (the same twice: with the item); each order of nobody is one. */
static double
naive_people(int x, int y)
{
    bool seen[N_PEOPLE] = {false};
    double n = 0;

    for (int i = 0; i < N_ORDERS; i++) {
        if (!world.has[i][x] || !world.has[i][y])
            continue;
        n += world.person[i] == 0 || !seen[world.person[i]];
        seen[world.person[i]] = true;
    }
    return n;
}

static double
naive_orders(int x, int person)
{
    double n = 0;

    for (int i = 0; i < N_ORDERS; i++)
        n += (x < 0 || world.has[i][x]) && (person < 0 || world.person[i] == person);
    return n;
}

static double
naive_cosine(int x, int y)
{
    double both = naive_people(x, y);

    if (both < 2)
        return 0.0;
    return both / sqrt(naive_people(x, x) * naive_people(y, y)) * (both / (both + 5.0));
}

static double
naive_score(int y, const int *basket, int n_basket, int person)
{
    double together = 0, history = 0, total = 0, again = 0, everybody = 0;
    bool seen[N_PEOPLE] = {false};

    for (int k = 0; k < n_basket; k++)
        together += naive_cosine(basket[k], y) / n_basket;
    for (int k = 0; person && k < N_ITEMS; k++)
        total += naive_orders(k, person);
    for (int k = 0; person && k < N_ITEMS; k++) {
        if (k != y)
            history += naive_orders(k, person) / total * naive_cosine(k, y);
    }
    if (person)
        again = (1.0 - naive_people(y, y) / naive_orders(y, -1)) * naive_orders(y, person) /
                (naive_orders(-1, person) + 4.0);
    for (int i = 0; i < N_ORDERS; i++) {
        everybody += world.person[i] == 0 || !seen[world.person[i]];
        seen[world.person[i]] = true;
    }
    return together + again + .15 * history + .1 * naive_people(y, y) / everybody;
}

START_TEST(scores_are_those_of_a_naive_count)
{
    static const char *const skus[] = {"i1", "i4", "i9"};
    static const int basket[] = {1, 4, 9};
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    int n_basket = _i % 4, person = _i % 3 ? 1 + _i : 0;
    char value[16];
    const answers *a;
    double last = INFINITY;

    naive_make(50 + (uint64_t)_i);
    train(db);
    (void)snprintf(value, sizeof value, "p%d", person);
    request.as_of_us = N_ORDERS;
    request.n = 32;
    request.basket = skus;
    request.n_basket = (uint32_t)n_basket;
    if (person) {
        request.space = "customer";
        request.value = value;
    }
    a = ask(&request);
    ck_assert_int_eq((int)a->out.n, N_ITEMS - n_basket);
    for (uint32_t i = 0; i < a->out.n; i++) {
        int y = atoi(a->skus[i] + 1);

        ck_assert_double_eq_tol(a->scores[i], naive_score(y, basket, n_basket, person), 1e-12);
        ck_assert(a->scores[i] <= last);
        last = a->scores[i];
    }
}
END_TEST

/* -- weather ------------------------------------------------------------------------------------ */

/* A model as training would write it: tea sells in the cold, the rest as always; the normal of
 * station 1 is 10 degrees, give or take 5, every day of the year. */
static void
weather_model(void)
{
    fbk__model_head head = {.kind = "climate", .format = 1};
    fbk__climate_normal normals[2] = {{.n_days = 0}, {.n_days = 2000, .n_wet_days = 2000}};
    fbk__climate_item item = {.coef = {-.5, 0.0}, .sign_prob = {.99, .5}};
    fbk__buf body;

    normals[1].mean[0] = 10.0;
    normals[1].variance[0] = 25.0;
    normals[1].variance_floor = 1.0;
    normals[1].wet[0] = .4;
    normals[1].mm[0] = 2.0;
    tk_assert_ok(db, fbk__item_resolve(db, "tea", 3, false, &item.item));
    fbk__buf_init(&body, fbk__a(db));
    fbk__climate_encode(&body, 0, normals, 1, &item, 1);
    ck_assert(!body.failed);
    tk_assert_ok(db, fbk__model_save(db, &head, NULL, 0, body.data, body.len));
    fbk__buf_free(&body);
}

START_TEST(the_weather_moves_what_responds_to_it)
{
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    fbk_place place = FBK_PLACE_INIT;
    fbk_weather weather = FBK_WEATHER_INIT;
    const answers *a;
    double usual;
    uint32_t tea;

    fill(db);
    train(db);
    place.code = "north";
    place.station = "airport";
    tk_assert_ok(db, fbk_place_upsert(db, &place));
    request.as_of_us = NOW;
    request.place = "north";
    usual = ask(&request)->scores[0];
    weather_model();
    a = ask(&request);
    ck_assert(a->scores[0] == usual);
    ck_assert_uint_eq(a->out.flags, FBK_RECOMMENDED_USUAL);
    weather.flags = FBK_WEATHER_HAS_TEMPERATURE;
    weather.temperature_celsius = 0.0; /* two standard deviations below */
    request.weather = &weather;
    a = ask(&request);
    tea = rank_of(a, "tea");
    ck_assert_uint_eq(tea, 1);
    ck_assert_double_eq_tol(a->factors[0], exp(1.0), 1e-9);
    ck_assert_double_eq_tol(a->scores[0], usual * exp(1.0), 1e-12);
    ck_assert_uint_eq(a->out.flags, FBK_RECOMMENDED_WEATHER);
    ck_assert_ptr_nonnull(strstr(a->whys[0], "people who bought at north; it "));
    for (uint32_t i = 1; i < a->out.n; i++)
        ck_assert(a->factors[i] == 1.0);
    weather.temperature_celsius = 20.0;
    a = ask(&request);
    tea = rank_of(a, "tea");
    ck_assert_double_eq_tol(a->factors[tea - 1], exp(-1.0), 1e-9);
    request.flags = FBK_RECOMMEND_NO_WEATHER;
    a = ask(&request);
    ck_assert(a->scores[0] == usual && a->out.flags == 0);
}
END_TEST

/* -- failures ----------------------------------------------------------------------------------- */

START_TEST(what_cannot_be_done_says_so)
{
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    struct ArrowArrayStream stream = {0};
    answers a;

    answers_init(&a);
    request.as_of_us = NOW;
    tk_assert_fails(db, FBK_ENODATA, fbk_recommend(db, &request, &a.out));
    fill(db);
    train(db);
    tk_assert_fails(db, FBK_EINVAL, fbk_recommend(db, NULL, &a.out));
    tk_assert_fails(db, FBK_EINVAL, fbk_recommend(db, &request, NULL));
    tk_assert_fails(db, FBK_EINVAL, fbk_recommend_rows(db, &request, NULL));
    request.place = "atlantis";
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_recommend(db, &request, &a.out));
    request.place = NULL;
    request.n = 1001;
    tk_assert_fails(db, FBK_ERANGE, fbk_recommend(db, &request, &a.out));
    request.n = 33;
    tk_assert_fails(db, FBK_ERANGE, fbk_recommend(db, &request, &a.out));
    request.n = 0;
    request.flags = 8;
    tk_assert_fails(db, FBK_EINVAL, fbk_recommend(db, &request, &a.out));
    request.flags = 0;
    request.space = "customer";
    tk_assert_fails(db, FBK_EINVAL, fbk_recommend(db, &request, &a.out));
    request.space = NULL;
    request.n_basket = 1;
    tk_assert_fails(db, FBK_EINVAL, fbk_recommend(db, &request, &a.out));
    request.n_basket = 0;
    request.as_of_us = FBK_TIME_NONE;
    tk_assert_fails(db, FBK_ERANGE, fbk_recommend_rows(db, &request, &stream));
    request.as_of_us = NOW;
    request.model = "winter";
    tk_assert_fails(db, FBK_ENODATA, fbk_recommend(db, &request, &a.out));
    request.model = NULL;
    a.out.sku_size = 6; /* "butter" takes 7 */
    tk_assert_fails(db, FBK_ETOOBIG, fbk_recommend(db, &request, &a.out));
    ck_assert_str_eq(a.skus[0], "");
    ck_assert(a.out.n == 0 && a.scores[0] == 0.0 && !a.whys[0][0]);
    a.out.struct_size = 8;
    tk_assert_fails(db, FBK_EABI, fbk_recommend(db, &request, &a.out));
    ck_assert_ptr_null(stream.release);
}
END_TEST

START_TEST(arrays_are_optional_and_sentences_are_cut)
{
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    fbk_recommendations only = FBK_RECOMMENDATIONS_INIT;
    char whys[3][8];

    fill(db);
    train(db);
    request.as_of_us = NOW;
    request.n = 3;
    only.capacity = 3;
    tk_assert_ok(db, fbk_recommend(db, &request, &only));
    ck_assert_uint_eq(only.n, 3);
    only.whys = whys[0];
    only.why_size = 8;
    tk_assert_ok(db, fbk_recommend(db, &request, &only));
    ck_assert_str_eq(whys[0], "Bought ");
}
END_TEST

START_TEST(rows_say_the_same)
{
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    struct ArrowArrayStream stream;
    fbk_arrow_rows rows = {0};
    const answers *a;
    uint32_t i = 0;

    fill(db);
    train(db);
    request.as_of_us = NOW;
    request.item = "bread";
    a = ask(&request);
    tk_assert_ok(db, fbk_recommend_rows(db, &request, &stream));
    ck_assert_int_eq(fbk_arrow_rows_open(&rows, &stream), FBK_OK);
    while (fbk_arrow_rows_next(&rows) == FBK_OK) {
        static const char *const words[] = {"", "popular", "together", "again", "history"};
        int64_t because = fbk_arrow_rows_column(&rows, "because"), len;
        const char *text = fbk_arrow_rows_text(&rows, fbk_arrow_rows_column(&rows, "item"), &len);

        ck_assert_int_eq(strncmp(text, a->skus[i], (size_t)len), 0);
        text = fbk_arrow_rows_text(&rows, fbk_arrow_rows_column(&rows, "why"), &len);
        ck_assert_int_eq(strncmp(text, a->whys[i], (size_t)len), 0);
        text = fbk_arrow_rows_text(&rows, fbk_arrow_rows_column(&rows, "reason"), &len);
        ck_assert_int_eq(strncmp(text, words[a->reasons[i]], (size_t)len), 0);
        ck_assert_int_eq(fbk_arrow_rows_null(&rows, because), !a->because[i][0]);
        ck_assert(fbk_arrow_rows_double(&rows, fbk_arrow_rows_column(&rows, "score")) ==
                  a->scores[i]);
        i++;
    }
    fbk_arrow_rows_close(&rows);
    ck_assert_uint_eq(i, a->out.n);
}
END_TEST

static fbk_status
everything(fbk *on)
{
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    struct ArrowArrayStream stream = {0};
    answers a;
    fbk_status rc;

    answers_init(&a);
    request.as_of_us = FBK_TIME_MAX;
    request.place = "south";
    request.basket = ITEMS("bread");
    request.n_basket = 1;
    request.space = "customer";
    request.value = "ann";
    rc = fbk_recommend(on, &request, &a.out);
    ck_assert_int_eq(rc == FBK_OK, a.out.n > 0);
    ck_assert_int_eq(rc == FBK_OK, a.skus[0][0] != '\0');
    if (rc == FBK_OK)
        rc = fbk_recommend_rows(on, &request, &stream);
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
        open_with(&a.allocator);
        fill(db);
        train(db);
        weather_model();
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

/* -- threads ------------------------------------------------------------------------------------ */

static int stop_asking;

static void *
asker(void *unused)
{
    fbk_recommend_request request = FBK_RECOMMEND_REQUEST_INIT;
    fbk *on = NULL;
    intptr_t n = 0;

    (void)unused;
    if (fbk_connect(store, &on) < 0)
        return NULL;
    request.as_of_us = FBK_TIME_MAX;
    request.basket = ITEMS("bread");
    request.n_basket = 1;
    request.space = "customer";
    request.value = "p3";
    while (!__atomic_load_n(&stop_asking, __ATOMIC_ACQUIRE)) {
        answers a;

        answers_init(&a);
        if (fbk_recommend(on, &request, &a.out) < 0 || a.out.n == 0 ||
            strcmp(a.skus[0], "butter") != 0) {
            n = INTPTR_MIN;
            break;
        }
        n++;
    }
    fbk_close(on);
    return (void *)n;
}

START_TEST(two_ask_while_a_third_trains)
{
    pthread_t threads[2];

    fill(db);
    train(db);
    __atomic_store_n(&stop_asking, 0, __ATOMIC_RELEASE);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, asker, NULL), 0);
    for (int i = 0; i < 25; i++) {
        char id[16], person[16];

        (void)snprintf(id, sizeof id, "more %d", i);
        (void)snprintf(person, sizeof person, "q%d", i);
        tk_sell(db, &(tk_sale){.id = id,
                               .person = person,
                               .occurred_us = i,
                               .items = ITEMS("bread", "butter")});
        train(db);
    }
    __atomic_store_n(&stop_asking, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 2; i++) {
        void *n = NULL;

        ck_assert_int_eq(pthread_join(threads[i], &n), 0);
        ck_assert_int_gt((intptr_t)n, 0);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("recommend");
    TCase *tc = tcase_create("core");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_basket_gets_what_goes_with_it);
    tcase_add_test(tc, a_person_gets_what_they_buy_again);
    tcase_add_test(tc, a_place_has_its_own_stock_and_taste);
    tcase_add_test(tc, a_style_is_out_when_all_its_sizes_are);
    tcase_add_test(tc, some_are_never_answered);
    tcase_add_loop_test(tc, scores_are_those_of_a_naive_count, 0, 12);
    tcase_add_test(tc, the_weather_moves_what_responds_to_it);
    tcase_add_test(tc, what_cannot_be_done_says_so);
    tcase_add_test(tc, arrays_are_optional_and_sentences_are_cut);
    tcase_add_test(tc, rows_say_the_same);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, two_ask_while_a_third_trains);
    tcase_set_timeout(tc, 120);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
