/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/clv.h"

#include <feedback/store.h>

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/rng.h"
#include "support/tk.h"

enum { N = 500 };

static double x[N];
static double t_x[N];
static double t[N];
static double mean[N];
static double orders[N];

/* Customers by the model, r 1, alpha 30 days, a 1, b 3. */
static void
setup(void)
{
    fbk__rng g;

    fbk__rng_seed(&g, 4);
    for (int i = 0; i < N; i++) {
        double rate = fbk__rng_gamma(&g, 1.0) / 30.0;
        double drop = fbk__rng_beta(&g, 1.0, 3.0);
        double at = fbk__rng_exponential(&g) / rate;

        t[i] = 100.0 + (double)fbk__rng_below(&g, 300);
        x[i] = t_x[i] = 0.0;
        while (at < t[i]) {
            x[i] += 1.0;
            t_x[i] = at;
            if (fbk__rng_double(&g) < drop)
                break;
            at += fbk__rng_exponential(&g) / rate;
        }
        orders[i] = x[i] + 1.0;
        mean[i] = fbk__rng_gamma(&g, 6.0) * 15.0 / fbk__rng_gamma(&g, 4.0);
    }
}

/* A connection to a store in memory; the store goes with it. */
static fbk *
connect_with(const fbk_allocator *allocator)
{
    fbk_store_options opt = FBK_STORE_OPTIONS_INIT;
    fbk_store *store = NULL;
    fbk *db = NULL;

    opt.allocator = allocator;
    tk_assert_ok(NULL, fbk_store_open(":memory:", &opt, &store, NULL));
    tk_assert_ok(NULL, fbk_connect(store, &db));
    fbk_store_close(store);
    return db;
}

START_TEST(a_table_is_fitted_and_asked)
{
    fbk_clv_options opt = FBK_CLV_OPTIONS_INIT;
    fbk_clv_params p = FBK_CLV_PARAMS_INIT;
    fbk_clv_params q = FBK_CLV_PARAMS_INIT;
    double expected[N];
    double alive[N];
    double weights[N];
    double total = 0.0;
    fbk_clv_model *model = NULL;

    tk_assert_ok(NULL, fbk_clv_fit(NULL, x, t_x, t, N, NULL, &model));
    tk_assert_ok(NULL, fbk_clv_model_params(model, &p));
    ck_assert_uint_eq(p.status, FBK_CLV_FULL);
    ck_assert(p.n_customers == N && p.n_repeats > N && p.loglik > p.loglik_nbd + 2.0);
    ck_assert_double_eq_tol(p.r / p.alpha_days, 1.0 / 30.0, 0.01);
    tk_assert_ok(NULL, fbk_clv_expected_purchases(model, x, t_x, t, N, 365.0, expected));
    tk_assert_ok(NULL, fbk_clv_alive(model, x, t_x, t, N, alive));
    for (int i = 0; i < N; i++) {
        ck_assert(expected[i] >= 0.0 && expected[i] <= 3650.0 * p.rate_max);
        ck_assert(alive[i] >= 0.0 && alive[i] <= 1.0);
        ck_assert(x[i] > 0.0 || alive[i] == 1.0);
        total += expected[i];
        weights[i] = 3.0;
    }
    ck_assert(total > 0.0);
    fbk_clv_model_free(model);
    opt.weights = weights;
    tk_assert_ok(NULL, fbk_clv_fit(NULL, x, t_x, t, N, &opt, &model));
    tk_assert_ok(NULL, fbk_clv_model_params(model, &q));
    ck_assert_double_eq_tol(p.r, q.r, 1e-5);
    ck_assert_double_eq_tol(3.0 * p.loglik, q.loglik, 1e-6);
    ck_assert(q.n_customers == 3.0 * N);
    fbk_clv_model_free(model);
    fbk_clv_model_free(NULL);
}
END_TEST

START_TEST(published_parameters_are_served)
{
    fbk_clv_params p = FBK_CLV_PARAMS_INIT;
    fbk_clv_params back = FBK_CLV_PARAMS_INIT;
    const double x1[] = {2.0};
    const double t_x1[] = {30.43};
    const double t1[] = {38.86};
    const double ages[] = {0.0, 1.0, 78.0};
    double out[3];
    double probs[200];
    double sum = 0.0;
    fbk_clv_model *model = NULL;

    p.r = 0.243; /* in weeks: any unit will do */
    p.alpha_days = 4.414;
    p.a = 0.793;
    p.b = 2.426;
    tk_assert_ok(NULL, fbk_clv_model_make(NULL, &p, &model));
    tk_assert_ok(NULL, fbk_clv_model_params(model, &back));
    ck_assert(back.r == p.r && back.b == p.b && back.status == FBK_CLV_FULL);
    tk_assert_ok(NULL, fbk_clv_expected_purchases(model, x1, t_x1, t1, 1, 39.0, out));
    ck_assert_double_eq_tol(out[0], 1.226, 1e-3);
    tk_assert_ok(NULL, fbk_clv_mean_purchases(model, ages, 3, out));
    ck_assert(out[0] == 0.0);
    ck_assert_double_eq_tol(out[1], 0.0532, 1e-3);
    tk_assert_ok(NULL, fbk_clv_count_probs(model, 39.0, 200, probs));
    for (int i = 0; i < 200; i++)
        sum += probs[i];
    ck_assert_double_eq_tol(probs[0], 0.5737864, 1e-6);
    ck_assert_double_eq_tol(sum, 1.0, 1e-6);
    fbk_clv_model_free(model);
    p.status = FBK_CLV_NO_REPEAT;
    tk_assert_ok(NULL, fbk_clv_model_make(NULL, &p, &model));
    tk_assert_ok(NULL, fbk_clv_expected_purchases(model, x1, t_x1, t1, 1, 39.0, out));
    ck_assert(out[0] == 0.0);
    fbk_clv_model_free(model);
    p.status = 9;
    ck_assert_int_eq(fbk_clv_model_make(NULL, &p, &model), FBK_EINVAL);
    p.status = FBK_CLV_FULL;
    p.a = NAN;
    ck_assert_int_eq(fbk_clv_model_make(NULL, &p, &model), FBK_ERANGE);
}
END_TEST

START_TEST(bad_rows_are_named)
{
    static const struct {
        double x, t_x, t;
        const char *field;
    } bad[] = {{-1, 0, 10, "x"},         {1.5, 1, 10, "x"},          {NAN, 0, 10, "x"},
               {2e9, 1, 10, "x"},        {1, 11, 10, "t_x_days"},    {1, -1, 10, "t_x_days"},
               {1, NAN, 10, "t_x_days"}, {0, 0, INFINITY, "t_days"}, {0, 0, -1, "t_days"},
               {0, 0, NAN, "t_days"},    {3, 0, 0, "t_days"}};
    fbk *db = connect_with(NULL);
    fbk_clv_model *model = NULL;
    fbk_clv_params p = {(uint32_t)sizeof p, 0, 1, 30, 1, 3, 0, 0, 0, 0, 0};
    double out;

    tk_assert_ok(NULL, fbk_clv_model_make(NULL, &p, &model));
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        double xs[2] = {0.0, bad[k].x};
        double t_xs[2] = {0.0, bad[k].t_x};
        double ts[2] = {1.0, bad[k].t};
        fbk_clv_model *none = NULL;
        fbk_errinfo info = {.struct_size = (uint32_t)sizeof info};

        tk_assert_fails(db, FBK_ERANGE, fbk_clv_fit(db, xs, t_xs, ts, 2, NULL, &none));
        tk_assert_ok(db, fbk_error_info(db, &info));
        ck_assert_str_eq(info.field, bad[k].field);
        ck_assert_int_eq(info.row, 2);
        ck_assert_ptr_null(none);
        out = -7.0;
        ck_assert_int_eq(fbk_clv_alive(model, xs + 1, t_xs + 1, ts + 1, 1, &out), FBK_ERANGE);
        ck_assert_int_eq(fbk_clv_expected_purchases(model, xs + 1, t_xs + 1, ts + 1, 1, 10.0, &out),
                         FBK_ERANGE);
        ck_assert(out == -7.0);
    }
    ck_assert_int_eq(fbk_clv_expected_purchases(model, x, t_x, t, 1, 0.0, &out), FBK_ERANGE);
    ck_assert_int_eq(fbk_clv_expected_purchases(model, x, t_x, t, 1, NAN, &out), FBK_ERANGE);
    ck_assert_int_eq(fbk_clv_mean_purchases(model, &(double){-1.0}, 1, &out), FBK_ERANGE);
    ck_assert_int_eq(fbk_clv_count_probs(model, 1e7, 1, &out), FBK_ERANGE);
    ck_assert_int_eq(fbk_clv_count_probs(model, 1.0, 2000000, &out), FBK_ERANGE);
    fbk_clv_model_free(model);
    fbk_close(db);
}
END_TEST

START_TEST(wrong_calls_are_refused)
{
    fbk_clv_options opt = FBK_CLV_OPTIONS_INIT;
    fbk_spend_options spend = FBK_SPEND_OPTIONS_INIT;
    fbk_clv_params p = FBK_CLV_PARAMS_INIT;
    double weights[N] = {0.0};
    fbk_clv_model *model = NULL;
    fbk_spend_model *sm = NULL;
    double out;

    ck_assert_int_eq(fbk_clv_fit(NULL, NULL, t_x, t, N, NULL, &model), FBK_EINVAL);
    ck_assert_int_eq(fbk_clv_fit(NULL, x, t_x, t, N, NULL, NULL), FBK_EINVAL);
    ck_assert_int_eq(fbk_clv_fit(NULL, x, t_x, t, 0, NULL, &model), FBK_ENODATA);
    opt.flags = 1;
    ck_assert_int_eq(fbk_clv_fit(NULL, x, t_x, t, N, &opt, &model), FBK_EINVAL);
    opt.flags = 0;
    opt.max_evals = 100001;
    ck_assert_int_eq(fbk_clv_fit(NULL, x, t_x, t, N, &opt, &model), FBK_ERANGE);
    opt.max_evals = 1;
    ck_assert_int_eq(fbk_clv_fit(NULL, x, t_x, t, N, &opt, &model), FBK_ENOCONV);
    opt.max_evals = 0;
    opt.weights = weights;
    ck_assert_int_eq(fbk_clv_fit(NULL, x, t_x, t, N, &opt, &model), FBK_ERANGE);
    opt.struct_size = 4;
    ck_assert_int_eq(fbk_clv_fit(NULL, x, t_x, t, N, &opt, &model), FBK_EABI);
    ck_assert_ptr_null(model);
    ck_assert_int_eq(fbk_clv_alive(NULL, x, t_x, t, N, &out), FBK_EINVAL);
    ck_assert_int_eq(fbk_clv_model_params(NULL, &p), FBK_EINVAL);
    ck_assert_int_eq(fbk_clv_model_make(NULL, NULL, &model), FBK_EINVAL);
    p.struct_size = 8;
    ck_assert_int_eq(fbk_clv_model_make(NULL, &p, &model), FBK_EABI);
    ck_assert_int_eq(fbk_spend_fit(NULL, orders, NULL, N, NULL, &sm), FBK_EINVAL);
    ck_assert_int_eq(fbk_spend_fit(NULL, orders, mean, 0, NULL, &sm), FBK_ENODATA);
    ck_assert_int_eq(fbk_spend_fit(NULL, x, mean, N, NULL, &sm), FBK_ERANGE); /* x has zeros */
    ck_assert_int_eq(fbk_spend_fit(NULL, orders, weights, N, NULL, &sm), FBK_ERANGE);
    spend.reserved0 = 1;
    ck_assert_int_eq(fbk_spend_fit(NULL, orders, mean, N, &spend, &sm), FBK_EINVAL);
    ck_assert_ptr_null(sm);
    ck_assert_int_eq(fbk_spend_expected(NULL, orders, mean, N, &out), FBK_EINVAL);
}
END_TEST

START_TEST(spend_is_fitted_and_asked)
{
    fbk_spend_params p = FBK_SPEND_PARAMS_INIT;
    fbk_spend_model *model = NULL;
    double out[N];
    double all;

    tk_assert_ok(NULL, fbk_spend_fit(NULL, orders, mean, N, NULL, &model));
    tk_assert_ok(NULL, fbk_spend_model_params(model, &p));
    ck_assert(p.n_customers == N && p.p > 0.0 && p.gamma > 0.0 && isfinite(p.loglik));
    tk_assert_ok(NULL, fbk_spend_expected(model, orders, mean, N, out));
    tk_assert_ok(NULL, fbk_spend_expected(model, (double[]){0.0}, (double[]){NAN}, 1, &all));
    ck_assert(all > 0.0 && all <= p.mean_max);
    for (int i = 0; i < N; i++) /* between the customer's mean and that of all */
        ck_assert(out[i] >= fmin(mean[i], all) * (1 - 1e-12) &&
                  out[i] <= fmax(mean[i], all) * (1 + 1e-12));
    ck_assert_int_eq(fbk_spend_expected(model, (double[]){1.0}, (double[]){-1.0}, 1, &all),
                     FBK_ERANGE);
    ck_assert_int_eq(fbk_spend_expected(model, (double[]){0.5}, (double[]){1.0}, 1, &all),
                     FBK_ERANGE);
    fbk_spend_model_free(model);
    fbk_spend_model_free(NULL);
}
END_TEST

START_TEST(memory_that_fails)
{
    tk_alloc alloc;
    fbk *db;
    int64_t live;
    int k = 0;

    tk_alloc_init(&alloc);
    db = connect_with(&alloc.allocator);
    live = alloc.n_live;
    for (;; k++) {
        fbk_clv_model *model = NULL;
        fbk_spend_model *spend = NULL;
        fbk_status rc;

        alloc.fail_at = alloc.n_calls + k;
        rc = fbk_clv_fit(db, x, t_x, t, N, NULL, &model);
        ck_assert((rc < 0) == (model == NULL));
        if (rc >= 0)
            rc = fbk_spend_fit(db, orders, mean, N, NULL, &spend);
        ck_assert((rc < 0) == (spend == NULL));
        alloc.fail_at = -1;
        ck_assert(rc >= 0 || fbk_errmsg(db)[0]);
        fbk_clv_model_free(model);
        fbk_spend_model_free(spend);
        ck_assert_int_eq(alloc.n_live, live);
        if (rc >= 0)
            break;
        ck_assert_int_eq(rc, FBK_ENOMEM);
    }
    ck_assert_int_ge(k, 12);
    fbk_close(db);
    ck_assert_int_eq(alloc.n_live, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("clv");
    TCase *tc = tcase_create("clv");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, a_table_is_fitted_and_asked);
    tcase_add_test(tc, published_parameters_are_served);
    tcase_add_test(tc, bad_rows_are_named);
    tcase_add_test(tc, wrong_calls_are_refused);
    tcase_add_test(tc, spend_is_fitted_and_asked);
    tcase_add_test(tc, memory_that_fails);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
