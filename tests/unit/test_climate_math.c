/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/climate_math.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/time.h"

#include "support/tk.h"

static const double PI = 3.14159265358979323846;

/* ---- normals ---- */

/* A station with a known climate: mean 10 + 8 cos, sd 3 + cos, rain on .3 + .1 sin of the days. */
static void
simulate_station(fbk__rng *rng, int64_t day, fbk__climate_day *out)
{
    double phase = 2.0 * PI * ((double)fbk__climate_slot(day) + 0.5) / 366.0;

    out->day = day;
    out->celsius = 10.0 - 8.0 * cos(phase) + (3.0 + cos(phase)) * fbk__rng_normal(rng);
    out->wet = -1;
    out->mm =
        fbk__rng_double(rng) < 0.3 + 0.1 * sin(phase) ? 1.0 + 4.0 * fbk__rng_exponential(rng) : 0.0;
    out->sign = 1;
}

START_TEST(normal_recovers_the_truth)
{
    static fbk__climate_sums sums;
    fbk__climate_normal normal;
    fbk__rng rng;

    fbk__rng_seed(&rng, 1);
    memset(&sums, 0, sizeof sums);
    for (int64_t d = 0; d < 30 * 365; d++) {
        fbk__climate_day day;

        simulate_station(&rng, d, &day);
        fbk__climate_sums_add(&sums, &day);
    }
    ck_assert_int_eq(fbk__climate_normal_fit(&sums, &normal), FBK_OK);
    ck_assert_uint_eq(normal.n_harmonics, 3);
    ck_assert_uint_eq(normal.provisional, 0);
    for (int64_t d = 0; d < 366; d++) {
        double phase = 2.0 * PI * ((double)fbk__climate_slot(d) + 0.5) / 366.0;
        fbk__climate_usual usual;

        fbk__climate_usual_at(&normal, d, &usual);
        ck_assert_double_eq_tol(usual.celsius, 10.0 - 8.0 * cos(phase), 0.35);
        ck_assert_double_eq_tol(usual.sd, 3.0 + cos(phase), 0.25);
        ck_assert_double_eq_tol(usual.wet_prob, 0.3 + 0.1 * sin(phase), 0.04);
        ck_assert_double_eq_tol(usual.mm, 5.0 * (0.3 + 0.1 * sin(phase)), 0.35);
        ck_assert_double_eq_tol(fbk__climate_anomaly(&usual, usual.celsius + 2.0 * usual.sd), 2.0,
                                1e-12);
    }
}
END_TEST

START_TEST(sums_merge_and_subtract_exactly)
{
    static fbk__climate_sums whole, a, b;
    fbk__rng rng;

    memset(&whole, 0, sizeof whole);
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    fbk__rng_seed(&rng, 2);
    for (int64_t d = 0; d < 1000; d++) {
        fbk__climate_day day;

        simulate_station(&rng, d, &day);
        if (d % 7 == 0)
            day.celsius = NAN;
        if (d % 11 == 0)
            day.mm = NAN;
        fbk__climate_sums_add(&whole, &day);
        fbk__climate_sums_add(d % 3 ? &a : &b, &day);
        fbk__climate_sums_add(&a, &day);
        day.sign = -1;
        fbk__climate_sums_add(&a, &day);
    }
    fbk__climate_sums_merge(&b, &a);
    ck_assert_int_eq(memcmp(&whole, &b, sizeof b), 0);
}
END_TEST

START_TEST(short_data_is_flagged)
{
    static const struct {
        int64_t first, n_days;
        fbk_status rc;
        uint32_t n_harmonics, provisional;
    } rows[] = {
        {0, 29, FBK_ENODATA, 0, 0}, {0, 30, FBK_OK, 0, 1},    {0, 200, FBK_OK, 0, 1},
        {0, 365, FBK_OK, 2, 1},     {100, 396, FBK_OK, 2, 1}, {0, 1094, FBK_OK, 2, 1},
        {0, 1095, FBK_OK, 3, 0},
    };
    static fbk__climate_sums sums;
    fbk__climate_normal normal = {0};
    fbk__climate_usual usual;
    fbk__rng rng;

    fbk__rng_seed(&rng, 3);
    memset(&sums, 0, sizeof sums);
    for (int64_t d = 0; d < rows[_i].n_days; d++) {
        fbk__climate_day day;

        simulate_station(&rng, rows[_i].first + d, &day);
        day.mm = NAN;
        fbk__climate_sums_add(&sums, &day);
    }
    ck_assert_int_eq(fbk__climate_normal_fit(&sums, &normal), rows[_i].rc);
    if (rows[_i].rc != FBK_OK)
        return;
    ck_assert_uint_eq(normal.n_harmonics, rows[_i].n_harmonics);
    ck_assert_uint_eq(normal.provisional, rows[_i].provisional);
    fbk__climate_usual_at(&normal, 180, &usual);
    ck_assert(isfinite(usual.celsius) && usual.sd >= 0.5);
    ck_assert(isnan(usual.wet_prob) && isnan(usual.mm));
}
END_TEST

START_TEST(leap_days_have_their_slot)
{
    ck_assert_uint_eq(fbk__climate_slot(fbk__civil_days(2023, 1, 1)), 0);
    ck_assert_uint_eq(fbk__climate_slot(fbk__civil_days(2024, 2, 29)), 59);
    ck_assert_uint_eq(fbk__climate_slot(fbk__civil_days(2023, 3, 1)), 60);
    ck_assert_uint_eq(fbk__climate_slot(fbk__civil_days(2024, 12, 31)), 365);
}
END_TEST

/* ---- response ---- */

enum { P = FBK__CLIMATE_N + FBK__CLIMATE_CONTROLS, MAX_ROWS = 4000 };

static struct {
    fbk__climate_panel panel;
    size_t start[9];
    int32_t day[MAX_ROWS];
    double exposure[MAX_ROWS];
    double x[MAX_ROWS * P];
    double y[MAX_ROWS];
} sim;

/* Days of n_strata shops under one weather with memory; shop s sells twice as much as s - 1. */
static void
simulate_panel(fbk__rng *rng, size_t n_strata, int32_t n_days)
{
    double z[MAX_ROWS], wet[MAX_ROWS], memory = 0.0;
    size_t n = 0;

    for (int32_t d = 0; d < n_days; d++) {
        memory = 0.7 * memory + sqrt(1.0 - 0.49) * fbk__rng_normal(rng);
        z[d] = memory;
        wet[d] = (fbk__rng_double(rng) < 0.35) - 0.35;
    }
    for (size_t s = 0; s < n_strata; s++) {
        sim.start[s] = n;
        for (int32_t d = 0; d < n_days; d++) {
            if (fbk__civil_weekday(d) == 7) /* shut on Sundays */
                continue;
            sim.day[n] = d;
            sim.exposure[n] = 1.0 + (double)fbk__rng_poisson(rng, 60.0 * (double)(s + 1));
            sim.x[n * P] = z[d];
            sim.x[n * P + 1] = wet[d];
            fbk__climate_controls(d, 0, n_days - 1, sim.x + n * P + FBK__CLIMATE_N);
            n++;
        }
    }
    sim.start[n_strata] = n;
    sim.panel = (fbk__climate_panel){n, n_strata, sim.start, sim.day, sim.exposure, sim.x, P};
}

/* One item: share of baskets, response, overdispersion with memory (a gamma of this shape drawn
 * anew every five days; 0 = none) that all shops have in common. */
static void
simulate_item(fbk__rng *rng, double share, double warm, double rain, double shape)
{
    double shock[MAX_ROWS];
    int32_t phase = (int32_t)fbk__rng_below(rng, 5);

    for (int32_t d = 0; d < MAX_ROWS; d++)
        shock[d] = (d + phase) % 5 && d ? shock[d - 1]
                   : shape > 0.0        ? fbk__rng_gamma(rng, shape) / shape
                                        : 1.0;
    for (size_t r = 0; r < sim.panel.n; r++) {
        const double *x = sim.x + r * P;
        double eta = warm * x[0] + rain * x[1] + 0.3 * x[2] + 0.4 * x[8] + 0.3 * x[9];

        sim.y[r] =
            (double)fbk__rng_poisson(rng, sim.exposure[r] * share * exp(eta) * shock[sim.day[r]]);
    }
}

START_TEST(fit_recovers_the_truth)
{
    fbk__climate_work *work;
    fbk__climate_fit fit;
    fbk__rng rng;
    bool ok[FBK__CLIMATE_N];

    fbk__rng_seed(&rng, 4);
    simulate_panel(&rng, 3, 1000);
    fbk__climate_estimable(&sim.panel, ok);
    ck_assert(ok[0] && ok[1]);
    work = fbk__climate_work_new(&sim.panel, NULL);
    ck_assert_ptr_nonnull(work);
    simulate_item(&rng, 0.05, 0.25, -0.4, 0.0);
    ck_assert_int_eq(fbk__climate_fit_item(&sim.panel, sim.y, INT32_MIN, INT32_MAX, work, &fit),
                     FBK_OK);
    ck_assert_double_eq_tol(fit.coef[0], 0.25, 4.0 * sqrt(fit.variance[0]));
    ck_assert_double_eq_tol(fit.coef[1], -0.4, 4.0 * sqrt(fit.variance[1]));
    ck_assert_double_lt(sqrt(fit.variance[0]), 0.03);
    ck_assert_double_lt(sqrt(fit.variance[1]), 0.06);
    ck_assert_double_lt(fit.dispersion, 1.2);
    fbk__climate_work_free(work, NULL);
}
END_TEST

/* The whole of it on 400 items, 40 of which respond, under overdispersion that lasts for days: most
 * of the strong ones are found with the right sign, at most 5 % of the others are reported. */
START_TEST(planted_items_are_found_and_no_others)
{
    enum { ITEMS = 400, PLANTED = 40 };
    static const double shapes[] = {0.0, 4.0, 1.5};
    double coef[FBK__CLIMATE_N][ITEMS], variance[FBK__CLIMATE_N][ITEMS];
    int found[FBK__CLIMATE_N] = {0}, wrong = 0, wrong_sign = 0;
    fbk__climate_prior prior[FBK__CLIMATE_N];
    fbk__climate_work *work;
    fbk__rng rng;

    fbk__rng_seed(&rng, 5);
    simulate_panel(&rng, 2, 700);
    work = fbk__climate_work_new(&sim.panel, NULL);
    ck_assert_ptr_nonnull(work);
    for (int i = 0; i < ITEMS; i++) {
        double effect = i >= PLANTED ? 0.0 : i % 2 ? -0.35 : 0.35;
        double share = 0.002 + 0.03 * fbk__rng_double(&rng);
        fbk__climate_fit fit = {{0, 0}, {INFINITY, INFINITY}, 1};
        fbk_status rc;

        simulate_item(&rng, share, i % 4 < 2 ? effect : 0.0, i % 4 < 2 ? 0.0 : 1.5 * effect,
                      shapes[_i]);
        rc = fbk__climate_fit_item(&sim.panel, sim.y, INT32_MIN, INT32_MAX, work, &fit);
        ck_assert(rc == FBK_OK || rc == FBK_ENODATA);
        for (int k = 0; k < FBK__CLIMATE_N; k++) {
            coef[k][i] = fit.coef[k];
            variance[k][i] = fit.variance[k];
        }
    }
    for (int k = 0; k < FBK__CLIMATE_N; k++) {
        fbk__climate_prior_fit(coef[k], variance[k], ITEMS, &prior[k]);
        for (int i = 0; i < ITEMS; i++) {
            bool planted = i < PLANTED && (i % 4 < 2) == (k == 0);
            fbk__climate_belief belief;

            fbk__climate_believe(&prior[k], coef[k][i], variance[k][i], &belief);
            if (belief.sign_prob <= 0.95)
                continue;
            found[k] += planted;
            wrong += !planted;
            wrong_sign += planted && (belief.coef > 0.0) != (i % 2 == 0);
        }
    }
    fbk__climate_work_free(work, NULL);
    printf("shape %.1f: found %d + %d of %d, wrong %d, share %.3f %.3f sd %.2f %.2f\n", shapes[_i],
           found[0], found[1], PLANTED, wrong, prior[0].share, prior[1].share, prior[0].sd,
           prior[1].sd);
    ck_assert_int_eq(wrong_sign, 0);
    ck_assert_int_le(wrong, (ITEMS - PLANTED) / 20);
    ck_assert_int_ge(found[0], _i == 2 ? 10 : 16);
    ck_assert_int_ge(found[1], _i == 2 ? 8 : 14);
}
END_TEST

/* Nothing responds at all: next to nothing may be reported. */
START_TEST(silence_when_nothing_responds)
{
    enum { ITEMS = 200 };
    double coef[ITEMS], variance[ITEMS], squares = 0.0;
    fbk__climate_prior prior;
    fbk__climate_work *work;
    fbk__rng rng;
    int wrong = 0;

    fbk__rng_seed(&rng, 6 + (uint64_t)_i);
    simulate_panel(&rng, 1, 396);
    work = fbk__climate_work_new(&sim.panel, NULL);
    ck_assert_ptr_nonnull(work);
    for (int i = 0; i < ITEMS; i++) {
        fbk__climate_fit fit;

        simulate_item(&rng, 0.02, 0.0, 0.0, 2.0);
        ck_assert_int_eq(fbk__climate_fit_item(&sim.panel, sim.y, 0, 395, work, &fit), FBK_OK);
        coef[i] = fit.coef[0];
        variance[i] = fit.variance[0];
        squares += coef[i] * coef[i] / variance[i] / ITEMS;
    }
    fbk__climate_prior_fit(coef, variance, ITEMS, &prior);
    for (int i = 0; i < ITEMS; i++) {
        fbk__climate_belief belief;

        fbk__climate_believe(&prior, coef[i], variance[i], &belief);
        wrong += belief.sign_prob > 0.95;
    }
    fbk__climate_work_free(work, NULL);
    printf("mean squared z %.2f, share %.4f sd %.3f, wrong %d\n", squares, prior.share, prior.sd,
           wrong);
    ck_assert_double_lt(squares, 1.5);
    ck_assert_int_le(wrong, ITEMS / 50);
}
END_TEST

START_TEST(short_and_confounded_panels_are_not_estimable)
{
    bool ok[FBK__CLIMATE_N];
    fbk__rng rng;

    fbk__rng_seed(&rng, 7);
    simulate_panel(&rng, 1, 150);
    fbk__climate_estimable(&sim.panel, ok);
    ck_assert(!ok[0] && !ok[1]);
    simulate_panel(&rng, 1, 396);
    fbk__climate_estimable(&sim.panel, ok);
    ck_assert(ok[0] && ok[1]);
    for (size_t r = 0; r < sim.panel.n; r++) { /* weather that is the season and nothing else */
        sim.x[r * P] = 2.0 * sim.x[r * P + 9] + sim.x[r * P + 8];
        sim.x[r * P + 1] = 0.0; /* not known */
    }
    fbk__climate_estimable(&sim.panel, ok);
    ck_assert(!ok[0] && !ok[1]);
    sim.panel.n = 0;
    sim.panel.n_strata = 0;
    fbk__climate_estimable(&sim.panel, ok);
    ck_assert(!ok[0] && !ok[1]);
}
END_TEST

START_TEST(too_little_sold)
{
    fbk__climate_fit fit = {{7, 7}, {7, 7}, 7};
    fbk__climate_work *work;
    fbk__rng rng;

    fbk__rng_seed(&rng, 8);
    simulate_panel(&rng, 1, 396);
    work = fbk__climate_work_new(&sim.panel, NULL);
    ck_assert_ptr_nonnull(work);
    memset(sim.y, 0, sizeof sim.y);
    ck_assert_int_eq(fbk__climate_fit_item(&sim.panel, sim.y, 0, 395, work, &fit), FBK_ENODATA);
    sim.y[3] = 1000.0; /* one large order says nothing */
    ck_assert_int_eq(fbk__climate_fit_item(&sim.panel, sim.y, 0, 395, work, &fit), FBK_ENODATA);
    simulate_item(&rng, 0.05, 0.0, 0.0, 0.0);
    ck_assert_int_eq(fbk__climate_fit_item(&sim.panel, sim.y, 0, 50, work, &fit), FBK_ENODATA);
    ck_assert(fit.coef[0] == 7.0);
    fbk__climate_work_free(work, NULL);
}
END_TEST

/* Sold on wet days only: the estimate stays finite. */
START_TEST(separation_stays_finite)
{
    fbk__climate_work *work;
    fbk__climate_fit fit;
    fbk__rng rng;

    fbk__rng_seed(&rng, 9);
    simulate_panel(&rng, 1, 396);
    work = fbk__climate_work_new(&sim.panel, NULL);
    ck_assert_ptr_nonnull(work);
    simulate_item(&rng, 0.05, 0.0, 0.0, 0.0);
    for (size_t r = 0; r < sim.panel.n; r++) {
        if (sim.x[r * P + 1] < 0.0)
            sim.y[r] = 0.0;
    }
    ck_assert_int_eq(fbk__climate_fit_item(&sim.panel, sim.y, 0, 395, work, &fit), FBK_OK);
    ck_assert(fit.coef[1] > 2.0 && fit.coef[1] < 20.0);
    ck_assert(isfinite(fit.coef[0]));
    fbk__climate_work_free(work, NULL);
}
END_TEST

START_TEST(beliefs)
{
    fbk__climate_prior prior = {0.1, 0.2};
    fbk__climate_belief belief;

    fbk__climate_believe(&prior, 0.5, INFINITY, &belief);
    ck_assert(belief.coef == 0.0 && belief.sign_prob < 0.95);
    fbk__climate_believe(&prior, 0.0, 0.01, &belief);
    ck_assert(belief.coef == 0.0 && belief.sign_prob < 0.5);
    fbk__climate_believe(&prior, -0.5, 0.0025, &belief);
    ck_assert_double_gt(belief.sign_prob, 0.999);
    ck_assert(belief.coef > -0.5 && belief.coef < -0.4);
    fbk__climate_believe(&prior, 0.1, 0.0025, &belief); /* two sigma is not enough */
    ck_assert_double_lt(belief.sign_prob, 0.95);
    fbk__climate_prior_fit(NULL, NULL, 0, &prior);
    ck_assert_double_eq_tol(prior.share, 0.2, 1e-9);
    ck_assert_double_eq_tol(prior.sd, 0.15, 1e-6);
}
END_TEST

START_TEST(out_of_memory)
{
    tk_alloc a;
    fbk__rng rng;

    fbk__rng_seed(&rng, 10);
    simulate_panel(&rng, 1, 200);
    for (int64_t k = 0; k < 3; k++) {
        tk_alloc_init(&a);
        a.fail_at = k;
        ck_assert_ptr_null(fbk__climate_work_new(&sim.panel, &a.allocator));
        ck_assert_int_eq(a.n_live, 0);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("climate_math");
    TCase *tc = tcase_create("climate_math");

    tcase_add_test(tc, normal_recovers_the_truth);
    tcase_add_test(tc, sums_merge_and_subtract_exactly);
    tcase_add_loop_test(tc, short_data_is_flagged, 0, 7);
    tcase_add_test(tc, leap_days_have_their_slot);
    tcase_add_test(tc, fit_recovers_the_truth);
    tcase_add_loop_test(tc, planted_items_are_found_and_no_others, 0, 3);
    tcase_add_loop_test(tc, silence_when_nothing_responds, 0, 4);
    tcase_add_test(tc, short_and_confounded_panels_are_not_estimable);
    tcase_add_test(tc, too_little_sold);
    tcase_add_test(tc, separation_stays_finite);
    tcase_add_test(tc, beliefs);
    tcase_add_test(tc, out_of_memory);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
