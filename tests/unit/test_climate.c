/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/catalogue.h>
#include <feedback/climate.h>
#include <feedback/context.h>
#include <feedback/place.h>
#include <feedback/store.h>
#include <feedback/weather.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act/context.h"
#include "base/rng.h"
#include "base/time.h"
#include "log/log.h"
#include "model/climate.h"
#include "model/climate_panel.h"
#include "record/catalogue.h"
#include "support/tk.h"
#include "support/tk_sale.h"

/* A small chain with known truth: two shops under two stations, four years of weather, one of sales.
 * Umbrellas sell on wet days, ice on warm ones, bread always. */

enum { HISTORY = 4 * 365, SALES = 420, FIRST = 15000 - HISTORY };

static tk_alloc memory;
static fbk_store *store;
static fbk *db;

static void
setup(void)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};

    tk_alloc_init(&memory);
    opt.flags = FBK_STORE_CREATE;
    opt.allocator = &memory.allocator;
    ck_assert_msg(fbk_store_open(":memory:", &opt, &store, &info) == FBK_OK, "%s", info.message);
    ck_assert_int_eq(fbk_connect(store, &db), FBK_OK);
}

static void
teardown(void)
{
    memory.fail_at = -1;
    fbk_close(db);
    fbk_store_close(store);
    ck_assert_int_eq(memory.n_live, 0);
}

typedef struct sky {
    double z;
    double celsius;
    int wet;
} sky;

static sky skies[2][HISTORY + SALES];

static double
season(int64_t day)
{
    return cos(2.0 * 3.14159265358979323846 * ((double)fbk__climate_slot(day) + 0.5) / 366.0);
}

static void
make_weather(fbk__rng *rng, int n_days)
{
    fbk_arrow_builder b = FBK_ARROW_BUILDER_INIT;
    struct ArrowArrayStream stream;

    (void)fbk_arrow_builder_column(&b, "station", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "date", FBK_ARROW_TEXT);
    (void)fbk_arrow_builder_column(&b, "temperature_celsius", FBK_ARROW_DOUBLE);
    (void)fbk_arrow_builder_column(&b, "precipitation_mm", FBK_ARROW_DOUBLE);
    for (int s = 0; s < 2; s++) {
        double memory_z = 0.0;

        for (int d = 0; d < n_days; d++) {
            char date[FBK__DATE_TEXT];

            memory_z = 0.6 * memory_z + 0.8 * fbk__rng_normal(rng);
            skies[s][d] = (sky){memory_z, 10.0 - 8.0 * season(FIRST + d) + 3.0 * memory_z,
                                fbk__rng_double(rng) < 0.3};
            (void)fbk__date_format(FIRST + d, date);
            fbk_arrow_add_text(&b, 0, s ? "south" : "north", -1);
            fbk_arrow_add_text(&b, 1, date, -1);
            fbk_arrow_add_double(&b, 2, skies[s][d].celsius);
            fbk_arrow_add_double(&b, 3, skies[s][d].wet ? 4.0 : 0.0);
        }
    }
    tk_assert_ok(db, fbk_arrow_builder_finish(&b, &stream));
    tk_assert_ok(db, fbk_weather_add_rows(db, &stream, NULL));
}

static void
make_places(void)
{
    fbk_place place = FBK_PLACE_INIT;

    place.code = "north";
    place.flags = FBK_PLACE_HAS_POSITION;
    place.latitude_deg = 50.0;
    tk_assert_ok(db, fbk_place_upsert(db, &place));
    place.code = "shop-s";
    place.station = "south";
    place.latitude_deg = -35.0;
    tk_assert_ok(db, fbk_place_upsert(db, &place));
}

static void
make_sales(fbk__rng *rng, int n_days)
{
    fbk__batch batch;
    int number = 0;

    fbk__batch_init(&batch, &memory.allocator);
    for (int d = 0; d < n_days; d++) {
        for (int s = 0; s < 2; s++) {
            const sky *w = &skies[s][HISTORY + d];
            int n = (int)fbk__rng_poisson(rng, s ? 20.0 : 12.0);

            for (int i = 0; i < n; i++) {
                const char *items[6] = {NULL};
                char id[32];
                size_t k = 0;
                tk_sale sale = {.place = s ? "shop-s" : "north", .items = items};

                if (fbk__rng_double(rng) < 0.15 * exp(0.5 * w->z))
                    items[k++] = "ice";
                if (fbk__rng_double(rng) < 0.12 * exp(1.0 * (w->wet - 0.3)))
                    items[k++] = "umbrella-red";
                if (fbk__rng_double(rng) < 0.5)
                    items[k++] = "bread";
                if (fbk__rng_double(rng) < 0.2)
                    items[k++] = "milk";
                items[k++] = "bag";
                (void)snprintf(id, sizeof id, "e%d", number++);
                sale.id = id;
                sale.n_items = k;
                sale.occurred_us = (FIRST + HISTORY + d) * FBK__DAY_US + 12 * 3600 * FBK__SECOND_US;
                tk_sale_add(&batch, &sale);
            }
        }
        if (d % 50 == 49 || d == n_days - 1)
            tk_assert_ok(db, tk_sales_append(db, &batch));
    }
    fbk__batch_free(&batch);
}

static const fbk_time END = (INT64_C(15000) + SALES) * FBK__DAY_US;

static uint32_t
item_number(const char *sku)
{
    uint32_t item = 0;

    tk_assert_ok(db, fbk__item_resolve(db, sku, strlen(sku), false, &item));
    return item;
}

START_TEST(the_truth_is_recovered)
{
    fbk_climate_summary summary = {.struct_size = (uint32_t)sizeof summary};
    fbk_climate_usual usual = {.struct_size = (uint32_t)sizeof usual};
    fbk_item item = FBK_ITEM_INIT;
    const fbk__climate *climate = NULL;
    struct ArrowArrayStream stream;
    fbk__climate_why why;
    fbk_arrow_rows rows;
    fbk__rng rng;
    int listed = 0;

    fbk__rng_seed(&rng, 1);
    make_places();
    make_weather(&rng, HISTORY + SALES);
    make_sales(&rng, SALES);
    item.sku =
        "umbrella-red"; /* a colour: its sales count for the style, and it responds as that */
    item.parent = "umbrella";
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    item.sku = "umbrella-blue";
    tk_assert_ok(db, fbk_item_upsert(db, &item));
    tk_assert_ok(db, fbk_climate_train(db, END, NULL, &summary));
    ck_assert_uint_eq(summary.flags, FBK_CLIMATE_HAS_TEMPERATURE | FBK_CLIMATE_HAS_WET);
    ck_assert_uint_eq(summary.n_stations, 2);
    ck_assert_uint_eq(summary.n_provisional, 0);
    ck_assert_uint_eq(summary.n_days, 2 * SALES);
    ck_assert_uint_eq(summary.n_items, 5);
    ck_assert_uint_eq(summary.n_fitted, 5);
    ck_assert_uint_eq(summary.n_responding, 2);
    tk_assert_ok(db, fbk__climate_acquire(db, &climate));
    ck_assert_double_eq_tol(log(fbk__climate_factor(climate, item_number("ice"), 1.0, 0.0, &why)),
                            0.5, 0.1);
    ck_assert_int_eq(why, FBK__CLIMATE_WARM);
    ck_assert_str_eq(fbk__climate_why_text(why, 1.6),
                     "is bought more in weather warmer than usual");
    ck_assert_double_eq_tol(
        log(fbk__climate_factor(climate, item_number("umbrella-blue"), 0.0, 0.7, &why) /
            fbk__climate_factor(climate, item_number("umbrella-blue"), 0.0, -0.3, NULL)),
        1.0, 0.2);
    ck_assert_int_eq(why, FBK__CLIMATE_RAINY);
    ck_assert(fbk__climate_factor(climate, item_number("bread"), 3.0, 0.7, &why) == 1.0);
    ck_assert_int_eq(why, FBK__CLIMATE_NO_CHANGE);
    ck_assert_str_eq(fbk__climate_why_text(why, 1.0), "");
    ck_assert(fbk__climate_factor(climate, item_number("ice"), (double)NAN, (double)NAN, NULL) ==
              1.0);
    ck_assert(fbk__climate_factor(climate, 999, 3.0, 0.7, NULL) == 1.0);
    ck_assert(fbk__climate_factor(climate, item_number("ice"), 99.0, 0.0, NULL) <= 4.0);
    fbk__climate_release(climate);
    tk_assert_ok(db, fbk_climate_usual_get(db, "north", "2011-07-15", &usual));
    ck_assert_double_eq_tol(usual.temperature_celsius, 18.0, 0.6);
    ck_assert_double_eq_tol(usual.sd_celsius, 3.0, 0.4);
    ck_assert_double_eq_tol(usual.wet_prob, 0.3, 0.06);
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_climate_usual_get(db, "mars", "2011-07-15", &usual));
    tk_assert_ok(db, fbk_climate_responses(db, &stream));
    tk_assert_ok(db, fbk_arrow_rows_open(&rows, &stream));
    while (fbk_arrow_rows_next(&rows) == FBK_OK)
        listed++;
    fbk_arrow_rows_close(&rows);
    ck_assert_int_eq(listed, 4); /* ice, and the umbrella with its two colours */
}
END_TEST

/* One year: provisional. Sixty days of sales: normals, but no responses. */
START_TEST(short_data)
{
    fbk_climate_summary summary = {.struct_size = (uint32_t)sizeof summary};
    fbk_context context = {.struct_size = (uint32_t)sizeof context};
    fbk_climate_options opt = FBK_CLIMATE_OPTIONS_INIT;
    struct ArrowArrayStream stream;
    fbk__rng rng;

    fbk__rng_seed(&rng, 2);
    tk_assert_fails(db, FBK_ENODATA, fbk_climate_train(db, END, NULL, &summary));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk_climate_responses(db, &stream));
    tk_assert_fails(db, FBK_EINVAL, fbk_climate_responses(db, NULL));
    make_places();
    make_weather(&rng, HISTORY + SALES);
    make_sales(&rng, 60);
    opt.normal_years = 1;
    tk_assert_ok(db, fbk_climate_train(db, END, &opt, &summary));
    ck_assert_uint_eq(summary.flags, FBK_CLIMATE_PROVISIONAL);
    ck_assert_uint_eq(summary.n_provisional, 2);
    ck_assert_uint_eq(summary.n_responding, 0);
    tk_assert_ok(db, fbk_context_at(db, "north", END - 3600 * FBK__SECOND_US, &context));
    ck_assert_uint_eq(context.flags & FBK_CONTEXT_PROVISIONAL, FBK_CONTEXT_PROVISIONAL);
    opt.normal_years = 201;
    tk_assert_fails(db, FBK_ERANGE, fbk_climate_train(db, END, &opt, NULL));
    opt.normal_years = 0;
    opt.flags = 1;
    tk_assert_fails(db, FBK_EINVAL, fbk_climate_train(db, END, &opt, NULL));
    tk_assert_fails(db, FBK_ERANGE, fbk_climate_train(db, INT64_MAX, NULL, NULL));
    summary.struct_size = 4;
    tk_assert_fails(db, FBK_EABI, fbk_climate_train(db, END, NULL, &summary));
}
END_TEST

static fbk_status
stop_at(void *user_data, uint64_t done, uint64_t total)
{
    int *left = user_data;

    (void)done;
    (void)total;
    return --*left < 0 ? FBK_ECANCELLED : FBK_OK;
}

START_TEST(training_can_be_stopped)
{
    fbk_climate_options opt = FBK_CLIMATE_OPTIONS_INIT;
    const fbk__climate *climate = NULL;
    fbk__rng rng;
    int left = 0;

    fbk__rng_seed(&rng, 3);
    make_places();
    make_weather(&rng, HISTORY + 30);
    make_sales(&rng, 30);
    opt.progress = stop_at;
    opt.user_data = &left;
    tk_assert_fails(db, FBK_ECANCELLED, fbk_climate_train(db, END, &opt, NULL));
    tk_assert_fails(db, FBK_ENOTFOUND, fbk__climate_acquire(db, &climate));
    left = 1000;
    tk_assert_ok(db, fbk_climate_train(db, END, &opt, NULL));
    ck_assert_int_lt(left, 1000);
}
END_TEST

START_TEST(baskets_count_items_once)
{
    static const char *const twice[] = {"a", "a", "b"};
    static const char *const once[] = {"a"};
    tk_sale sale = {.id = "1", .place = "north", .items = twice, .n_items = 3};
    fbk_climate_options opt = FBK_CLIMATE_OPTIONS_INIT;
    const fbk__places *places = NULL;
    const fbk__items *items = NULL;
    fbk__climate_sales sales;
    fbk__rng rng;

    fbk__rng_seed(&rng, 4);
    make_places();
    make_weather(&rng, 1);
    tk_sell(db, &sale);
    sale = (tk_sale){.id = "2", .place = "north", .items = once, .n_items = 1};
    tk_sell(db, &sale);
    sale.id = "3"; /* another day */
    sale.occurred_us = FBK__DAY_US;
    tk_sell(db, &sale);
    sale.id = "4"; /* as of this instant: not before */
    sale.occurred_us = 9 * FBK__DAY_US;
    tk_sell(db, &sale);
    sale.id = "5"; /* no test, no return, no shop without weather */
    sale.occurred_us = 0;
    sale.flags = FBK__FLAG_TEST;
    tk_sell(db, &sale);
    sale.id = "6";
    sale.flags = 0;
    sale.quantity_milli = -1000;
    tk_sell(db, &sale);
    sale.id = "7";
    sale.quantity_milli = 0;
    sale.place = "web";
    tk_sell(db, &sale);
    tk_assert_ok(db, fbk__places_acquire(db, &places));
    tk_assert_ok(db, fbk__items_acquire(db, &items));
    fbk__climate_sales_init(&sales, &memory.allocator);
    tk_assert_ok(db, fbk__climate_collect(db, 9 * FBK__DAY_US, places, items, &opt, &sales));
    ck_assert_uint_eq(sales.n_events, 3);
    ck_assert_uint_eq(sales.n_rows, 2);
    ck_assert(sales.day[0] == 0 && sales.day[1] == 1);
    ck_assert(sales.baskets[0] == 2.0 && sales.baskets[1] == 1.0);
    ck_assert_uint_eq(sales.n_sales, 3);
    ck_assert(sales.sales[0].item == 1 && sales.sales[0].row == 0 && sales.sales[0].n == 2);
    ck_assert(sales.sales[1].item == 1 && sales.sales[1].row == 1 && sales.sales[1].n == 1);
    ck_assert(sales.sales[2].item == 2 && sales.sales[2].row == 0 && sales.sales[2].n == 1);
    fbk__climate_sales_free(&sales);
    fbk__places_release(places);
    fbk__items_release(items);
}
END_TEST

/* ---- bytes ---- */

static void
body(fbk__buf *buf)
{
    static fbk__climate_normal normals[3];
    static const fbk__climate_item items[2] = {{5, 100, {0.5, 0.0}, {0.99, 0.3}},
                                               {900, 20, {0.0, -1.0}, {0.2, 0.999}}};

    memset(normals, 0, sizeof normals);
    normals[2].n_days = 1200;
    normals[2].n_wet_days = 1100;
    normals[2].n_harmonics = 3;
    normals[2].mean[0] = 10.0;
    normals[2].variance[0] = 9.0;
    normals[2].variance_floor = 1.0;
    normals[2].wet[0] = (double)NAN;
    fbk__buf_init(buf, &memory.allocator);
    fbk__climate_encode(buf, 6, normals, 2, items, 2);
    ck_assert(!buf->failed);
}

static fbk_status
decode(const void *bytes, size_t len, fbk__climate *out)
{
    void *exact = malloc(len ? len : 1);
    fbk_status rc;

    memset(out, 0, sizeof *out);
    out->model.shared.a = &memory.allocator;
    memcpy(exact, bytes, len);
    rc = fbk__climate_decode(db, out, exact, len);
    free(exact);
    return rc;
}

static void
forget(fbk__climate *c)
{
    memory.allocator.free_fn(c->normals, &memory);
    memory.allocator.free_fn(c->items, &memory);
}

START_TEST(bytes_round_trip)
{
    fbk__climate c;
    fbk__buf buf;

    body(&buf);
    tk_assert_ok(db, decode(buf.data, buf.len, &c));
    ck_assert(c.flags == 6 && c.n_stations == 2 && c.n_items == 2);
    ck_assert_ptr_null(fbk__climate_normal_of(&c, 0));
    ck_assert_ptr_null(fbk__climate_normal_of(&c, 1));
    ck_assert_ptr_null(fbk__climate_normal_of(&c, 3));
    ck_assert(fbk__climate_normal_of(&c, 2)->mean[0] == 10.0);
    ck_assert(isnan(fbk__climate_normal_of(&c, 2)->wet[0]));
    ck_assert(c.items[1].item == 900 && c.items[1].coef[1] == -1.0 && c.items[0].n_sold == 100);
    ck_assert_double_eq_tol(fbk__climate_factor(&c, 900, 0.0, 1.0, NULL), exp(-1.0), 1e-12);
    forget(&c);
    fbk__buf_free(&buf);
}
END_TEST

START_TEST(damaged_bytes_are_refused)
{
    fbk__climate c;
    fbk__buf buf;

    body(&buf);
    for (size_t n = 0; n < buf.len; n++) {
        tk_assert_fails(db, FBK_ECORRUPT, decode(buf.data, n, &c));
        forget(&c);
    }
    for (size_t bit = 0; bit < buf.len * 8; bit++) {
        fbk_status rc;

        buf.data[bit / 8] = (char)(buf.data[bit / 8] ^ (1 << bit % 8));
        rc = decode(buf.data, buf.len, &c);
        ck_assert(rc == FBK_OK || rc == FBK_ECORRUPT);
        if (rc == FBK_OK)
            ck_assert(isfinite(fbk__climate_factor(&c, 900, 1.0, 1.0, NULL)));
        forget(&c);
        buf.data[bit / 8] = (char)(buf.data[bit / 8] ^ (1 << bit % 8));
    }
    fbk__buf_free(&buf);
}
END_TEST

START_TEST(out_of_memory)
{
    fbk_climate_summary summary = {.struct_size = (uint32_t)sizeof summary};
    fbk__rng rng;
    int64_t k = 0;

    fbk__rng_seed(&rng, 5);
    make_places();
    make_weather(&rng, HISTORY + SALES);
    make_sales(&rng, 200);
    for (;; k++) {
        fbk_status rc;

        memory.n_calls = 0;
        memory.fail_at = k;
        rc = fbk_climate_train(db, END, NULL, &summary);
        memory.fail_at = -1;
        if (rc == FBK_OK) { /* no failure, or only of something that can be done without */
            ck_assert_uint_eq(summary.n_stations, 2);
            if (memory.n_calls <= k)
                break;
            memset(&summary, 0, sizeof summary);
            summary.struct_size = (uint32_t)sizeof summary;
            continue;
        }
        tk_assert_fails(db, FBK_ENOMEM, rc);
        ck_assert_uint_eq(summary.n_stations, 0);
    }
    ck_assert_int_gt(k, 100);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("climate");
    TCase *tc = tcase_create("climate");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_truth_is_recovered);
    tcase_add_test(tc, short_data);
    tcase_add_test(tc, training_can_be_stopped);
    tcase_add_test(tc, baskets_count_items_once);
    tcase_add_test(tc, bytes_round_trip);
    tcase_add_test(tc, damaged_bytes_are_refused);
    tcase_add_test(tc, out_of_memory);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
