/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "base/special.h"
#include "model/clv_math.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/tk.h"

static const fbk__clv_params usual = {
    .r = 0.243, .alpha = 4.414, .a = 0.793, .b = 2.426, .rate_max = 1e9};

static const fbk__clv_row some[] = {{0.0, 0.0, 38.86, 3.0},  {0.0, 0.0, 0.0, 1.0},
                                    {1.0, 1.71, 38.86, 2.0}, {2.0, 30.43, 38.86, 1.0},
                                    {7.0, 29.43, 31.0, 1.0}, {29.0, 20.0, 20.0, 4.0},
                                    {90.0, 10.0, 30.0, 0.5}};
enum { N_SOME = sizeof some / sizeof some[0] };

/* Eq. (6) of the paper as it stands there. */
static double
naive_loglik(const double *v, const fbk__clv_row *row)
{
    double r = v[0];
    double al = v[1];
    double a = v[2];
    double b = v[3];
    double x = row->x;
    double front = lgamma(b + x) + lgamma(a + b) - lgamma(b) - lgamma(a + b + x) + lgamma(r + x) -
                   lgamma(r) + r * log(al);
    double alive = pow(al + row->t, -(r + x));
    double dropped = x > 0.0 ? a / (b + x - 1.0) * pow(al + row->t_x, -(r + x)) : 0.0;

    return front + log(alive + dropped);
}

START_TEST(likelihood_is_the_papers)
{
    static const double params[][4] = {
        {0.243, 4.414, 0.793, 2.426}, {3.0, 0.5, 0.05, 0.1}, {0.9, 70.0, 20.0, 300.0}};

    for (size_t k = 0; k < 3; k++) {
        double sum = 0.0;
        double nbd = 0.0;
        double got;

        for (size_t i = 0; i < N_SOME; i++) {
            sum += some[i].weight * naive_loglik(params[k], &some[i]);
            nbd += some[i].weight * (lgamma(params[k][0] + some[i].x) - lgamma(params[k][0]) +
                                     params[k][0] * log(params[k][1]) -
                                     (params[k][0] + some[i].x) * log(params[k][1] + some[i].t));
        }
        got = fbk__clv_bgnbd_loglik(params[k], some, N_SOME, NULL);
        ck_assert_double_eq_tol(got, sum, 1e-11 * fabs(sum));
        got = fbk__clv_nbd_loglik(params[k], some, N_SOME, NULL);
        ck_assert_double_eq_tol(got, nbd, 1e-11 * fabs(nbd));
    }
}
END_TEST

/* Five-point differences of a log-likelihood against its gradient. */
static void
check_gradient(double (*f)(const double *, const void *, double *), const void *rows,
               const double *at, size_t n)
{
    double grad[4];
    double x[4];

    (void)f(at, rows, grad);
    for (size_t i = 0; i < n; i++) {
        double h = 1e-3 * at[i];
        double d = 0.0;
        static const double c[] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};
        static const double o[] = {-2.0, -1.0, 1.0, 2.0};

        for (int k = 0; k < 4; k++) {
            memcpy(x, at, n * sizeof *x);
            x[i] += o[k] * h;
            d += c[k] * f(x, rows, NULL) / h;
        }
        ck_assert_double_eq_tol(grad[i], d, 1e-6 * (fabs(d) + 1.0));
    }
}

static double
f_bgnbd(const double *p, const void *rows, double *grad)
{
    return fbk__clv_bgnbd_loglik(p, rows, N_SOME, grad);
}

static double
f_nbd(const double *p, const void *rows, double *grad)
{
    return fbk__clv_nbd_loglik(p, rows, N_SOME, grad);
}

static double
f_spend(const double *p, const void *rows, double *grad)
{
    return fbk__spend_loglik(p, rows, 4, grad);
}

static const fbk__spend_row spent[] = {
    {1.0, 20.0, 1.0}, {2.0, 35.5, 2.0}, {9.0, 4.25, 1.0}, {300.0, 1000.0, 1.0}};

START_TEST(gradients_are_the_derivatives)
{
    static const double at[][4] = {
        {0.243, 4.414, 0.793, 2.426}, {3.0, 0.5, 0.05, 0.1}, {0.9, 70.0, 20.0, 300.0}};

    for (size_t k = 0; k < 3; k++) {
        check_gradient(f_bgnbd, some, at[k], 4);
        check_gradient(f_nbd, some, at[k], 2);
        check_gradient(f_spend, spent, at[k], 3);
    }
}
END_TEST

/* Eq. (10) of the paper, by 2F1; it cancels, hence the tolerance. */
static double
naive_expected(const fbk__clv_params *m, double x, double t_x, double t, double h)
{
    int sign;
    double c = m->a + m->b + x - 1.0;
    double f = fbk__log_hyp2f1(m->r + x, m->b + x, c, h / (m->alpha + t + h), &sign);
    double part = 1.0 - sign * exp(f + (m->r + x) * log((m->alpha + t) / (m->alpha + t + h)));
    double odds =
        x > 0.0 ? m->a / (m->b + x - 1.0) * pow((m->alpha + t) / (m->alpha + t_x), m->r + x) : 0.0;

    return c / (m->a - 1.0) * part / (1.0 + odds);
}

START_TEST(expectations_are_the_papers)
{
    static const double histories[][3] = {{0, 0, 38.86},   {2, 30.43, 38.86}, {1, 1.71, 38.86},
                                          {26, 30.86, 31}, {200, 19, 20},     {5000, 500, 501},
                                          {0, 0, 0},       {3, 0.5, 0.5}};
    static const double horizons[] = {0.1, 1, 39, 365, 5000};
    static const double params[][4] = {{0.243, 4.414, 0.793, 2.426},
                                       {3.0, 0.5, 0.05, 0.1},
                                       {0.9, 70.0, 20.0, 300.0},
                                       {0.11, 2.24, 0.31, 0.50}};

    for (size_t k = 0; k < 4; k++) {
        fbk__clv_params m = {.r = params[k][0],
                             .alpha = params[k][1],
                             .a = params[k][2],
                             .b = params[k][3],
                             .rate_max = 1e9};

        for (size_t i = 0; i < 8; i++) {
            for (size_t j = 0; j < 5; j++) {
                const double *c = histories[i];
                double e = naive_expected(&m, c[0], c[1], c[2], horizons[j]);
                double got = fbk__clv_expected(&m, c[0], c[1], c[2], horizons[j]);

                ck_assert_msg(fabs(got - e) <= 1e-8 * fabs(e) + 1e-11,
                              "set %zu x %g t %g horizon %g: %.15g, not %.15g", k, c[0], c[2],
                              horizons[j], got, e);
            }
        }
    }
}
END_TEST

/* Where the paper's formula is 0 / 0, and where one form gives way to the other. */
START_TEST(expectations_are_smooth)
{
    fbk__clv_params m = usual;
    double before;
    double after;

    m.a = 1.0 - 1e-7;
    before = fbk__clv_expected(&m, 3.0, 20.0, 30.0, 40.0);
    m.a = 1.0 + 1e-7;
    after = fbk__clv_expected(&m, 3.0, 20.0, 30.0, 40.0);
    m.a = 1.0;
    ck_assert_double_eq_tol(fbk__clv_expected(&m, 3.0, 20.0, 30.0, 40.0), 0.5 * (before + after),
                            1e-12);
    for (double a = 0.01; a < 500.0; a *= 3.0) {
        m.a = a;
        for (double x = 0.0; x < 20000.0; x = 3.0 * x + 1.0) {
            /* The sum is used up to 200 purchases and 30 ages. */
            double h = fmin(200.0 / (m.r + x), 30.0) * (m.alpha + 10.0);

            before = fbk__clv_expected(&m, x, 10.0, 10.0, h * (1.0 - 1e-10));
            after = fbk__clv_expected(&m, x, 10.0, 10.0, h * (1.0 + 1e-10));
            ck_assert_msg(fabs(before - after) <= 1e-9 * after, "a %g x %g: %.15g %.15g", a, x,
                          before, after);
        }
    }
    for (double x = 0.0; x <= 1e5; x = 2.0 * x + 1.0) {
        double e = fbk__clv_expected(&usual, x, 700.0, 700.0, 365.0);

        ck_assert(isfinite(e) && e > 0.0 && e < 365.0 * (x + 1.0) / 700.0);
    }
}
END_TEST

START_TEST(counts_add_up)
{
    double p = 0.0;
    double mean = 0.0;
    fbk__clv_params nbd = {.r = 0.8, .alpha = 5.0, .rate_max = 1e9, .status = FBK__CLV_NO_DROPOUT};
    fbk__clv_params none = {.status = FBK__CLV_NO_REPEAT};

    for (uint32_t k = 0; k < 3000; k++) {
        double pk = fbk__clv_pmf(&usual, 39.0, k);

        ck_assert(pk >= 0.0);
        p += pk;
        mean += k * pk;
    }
    ck_assert_double_eq_tol(p, 1.0, 1e-9);
    ck_assert_double_eq_tol(mean, fbk__clv_mean(&usual, 39.0), 1e-9);
    p = mean = 0.0;
    for (uint32_t k = 0; k < 1000; k++) {
        p += fbk__clv_pmf(&nbd, 39.0, k);
        mean += k * fbk__clv_pmf(&nbd, 39.0, k);
    }
    ck_assert_double_eq_tol(p, 1.0, 1e-9);
    ck_assert_double_eq_tol(mean, 0.8 * 39.0 / 5.0, 1e-9);
    ck_assert(fbk__clv_pmf(&none, 39.0, 0) == 1.0 && fbk__clv_pmf(&none, 39.0, 1) == 0.0);
    ck_assert(fbk__clv_pmf(&usual, 0.0, 0) == 1.0);
    ck_assert(fbk__clv_expected(&none, 5.0, 1.0, 2.0, 39.0) == 0.0);
}
END_TEST

START_TEST(one_time_buyers_are_alive_by_assumption)
{
    ck_assert(fbk__clv_alive(&usual, 0.0, 0.0, 1e6) == 1.0);
    ck_assert(fbk__clv_alive(&usual, 1.0, 1.0, 1e6) < 0.1);
    ck_assert(fbk__clv_alive(&usual, 20.0, 10.0, 1000.0) < 1e-20);
    ck_assert(fbk__clv_alive(&usual, 1e5, 10.0, 1e6) == 0.0);
    ck_assert(fbk__clv_alive(&usual, 20.0, 10.0, 10.0) > 0.9);
}
END_TEST

START_TEST(discounting_is_the_sum_over_days)
{
    double daily = log(1.1) / 365.25 * 7.0; /* a week's rate */
    double sum = 0.0;

    for (int k = 0; k < 7000; k++) {
        double u = 52.0 * k / 7000.0;
        double v = 52.0 * (k + 1) / 7000.0;

        sum += exp(-daily * 0.5 * (u + v)) * (fbk__clv_expected(&usual, 5.0, 30.0, 35.0, v) -
                                              fbk__clv_expected(&usual, 5.0, 30.0, 35.0, u));
    }
    ck_assert_double_eq_tol(fbk__clv_discounted(&usual, 5.0, 30.0, 35.0, 52.0, daily), sum, 1e-8);
    ck_assert(fbk__clv_discounted(&usual, 5.0, 30.0, 35.0, 52.0, 0.0) ==
              fbk__clv_expected(&usual, 5.0, 30.0, 35.0, 52.0));
}
END_TEST

/* Customers who buy and drop out as the model says. */
static size_t
simulate(fbk__clv_row *rows, size_t n, uint64_t seed, const fbk__clv_params *m)
{
    fbk__rng g;

    fbk__rng_seed(&g, seed);
    for (size_t i = 0; i < n; i++) {
        double rate = fbk__rng_gamma(&g, m->r) / m->alpha;
        double drop = m->a > 0.0 ? fbk__rng_beta(&g, m->a, m->b) : 0.0;
        double t = 27.0 + 12.0 * fbk__rng_double(&g);
        double at = fbk__rng_exponential(&g) / rate;
        fbk__clv_row *row = &rows[i];

        *row = (fbk__clv_row){0.0, 0.0, t, 1.0};
        while (at < t) {
            row->x += 1.0;
            row->t_x = at;
            if (fbk__rng_double(&g) < drop)
                break;
            at += fbk__rng_exponential(&g) / rate;
        }
    }
    return n;
}

START_TEST(the_truth_is_recovered)
{
    static fbk__clv_row rows[20000];
    fbk__clv_params truth = usual;
    fbk__clv_params m;
    fbk__clv_params again;
    double grad[4];
    size_t n = simulate(rows, 20000, 11, &truth);

    tk_assert_ok(NULL, fbk__clv_collapse(NULL, rows, &n));
    tk_assert_ok(NULL, fbk__clv_fit(NULL, rows, n, 0, &m));
    tk_assert_ok(NULL, fbk__clv_fit(NULL, rows, n, 0, &again));
    ck_assert(memcmp(&m, &again, sizeof m) == 0);
    ck_assert_uint_eq(m.status, FBK__CLV_FULL);
    ck_assert_double_eq_tol(m.r, truth.r, 0.02);
    ck_assert_double_eq_tol(m.alpha, truth.alpha, 0.6);
    ck_assert_double_eq_tol(m.a / (m.a + m.b), truth.a / (truth.a + truth.b), 0.03);
    /* So many rows are fitted to a sample first: the end must be that of all. */
    (void)fbk__clv_bgnbd_loglik((double[]){m.r, m.alpha, m.a, m.b}, rows, n, grad);
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq_tol(grad[i] / 20000.0, 0.0, 1e-5);
    truth.a = truth.b = 0.0;
    n = simulate(rows, 20000, 12, &truth);
    tk_assert_ok(NULL, fbk__clv_collapse(NULL, rows, &n));
    tk_assert_ok(NULL, fbk__clv_fit(NULL, rows, n, 0, &m));
    ck_assert_uint_eq(m.status, FBK__CLV_NO_DROPOUT);
    ck_assert_double_eq_tol(m.r / m.alpha, truth.r / truth.alpha, 0.003);
}
END_TEST

static void
fill(fbk__clv_row *rows, size_t n, int kind, fbk__rng *g)
{
    for (size_t i = 0; i < n; i++) {
        double t = 1.0 + (double)fbk__rng_below(g, 500);
        double x = (double)fbk__rng_below(g, 5000);
        fbk__clv_row *row = &rows[i];

        switch (kind) {
        case 0: /* nobody came back */
            *row = (fbk__clv_row){0.0, 0.0, t, 1.0};
            break;
        case 1: /* all alike */
            *row = (fbk__clv_row){4.0, 30.0, 40.0, 1.0};
            break;
        case 2: /* many purchases: lifetimes issue 405 */
            *row = (fbk__clv_row){x, x > 0.0 ? t * fbk__rng_double(g) : 0.0, t, 1.0};
            break;
        case 3: /* one day old */
            *row = (fbk__clv_row){fbk__rng_below(g, 10) == 0, 1.0, 1.0, 1.0};
            row->t_x = row->x;
            break;
        case 4: /* all dropped out at once */
            *row = (fbk__clv_row){1.0, 0.5, t + 100.0, 1.0};
            break;
        case 5: /* like clockwork */
            *row = (fbk__clv_row){t, t, t, 1.0};
            break;
        case 6: /* bought today, age 0 */
            *row = (fbk__clv_row){0.0, 0.0, 0.0, 1.0};
            break;
        default: /* one heavy buyer among one-timers */
            *row = (fbk__clv_row){0.0, 0.0, t, 1.0};
            if (i == 0)
                *row = (fbk__clv_row){5000.0, 500.0, 501.0, 1.0};
            break;
        }
    }
}

START_TEST(hostile_data_gives_finite_answers)
{
    static fbk__clv_row rows[400];
    static const size_t sizes[] = {1, 2, 3, 10, 400};
    fbk__rng g;

    fbk__rng_seed(&g, 5);
    for (int k = 0; k < 8 * 5; k++) {
        size_t n = sizes[k / 8];
        fbk__clv_params m;
        fbk_status rc;

        fill(rows, n, k % 8, &g);
        tk_assert_ok(NULL, fbk__clv_collapse(NULL, rows, &n));
        rc = fbk__clv_fit(NULL, rows, n, 0, &m);
        ck_assert_msg(rc == FBK_OK, "kind %d of %zu rows: %d", k % 8, n, rc);
        for (size_t i = 0; i < n; i++) {
            double e = fbk__clv_expected(&m, rows[i].x, rows[i].t_x, rows[i].t, 365.0);
            double p = fbk__clv_alive(&m, rows[i].x, rows[i].t_x, rows[i].t);

            ck_assert_msg(isfinite(e) && e >= 0.0 && e <= 10.0 * m.rate_max * 365.0 * (1 + 1e-12) &&
                              p >= 0.0 && p <= 1.0,
                          "kind %d row %zu: %g %g", k % 8, i, e, p);
        }
    }
}
END_TEST

START_TEST(equal_rows_are_merged)
{
    fbk__clv_row rows[] = {{2, 5, 9, 1}, {0, 0, 9, 2}, {2, 5, 9, 3}, {2, 4, 9, 1}, {0, 0, 9, 1}};
    size_t n = 5;
    size_t none = 0;
    fbk__clv_params m;

    tk_assert_ok(NULL, fbk__clv_collapse(NULL, rows, &n));
    ck_assert_uint_eq(n, 3);
    ck_assert(rows[0].x == 0.0 && rows[0].weight == 3.0);
    ck_assert(rows[1].t_x == 4.0 && rows[1].weight == 1.0);
    ck_assert(rows[2].t_x == 5.0 && rows[2].weight == 4.0);
    tk_assert_ok(NULL, fbk__clv_collapse(NULL, rows, &none));
    ck_assert_int_eq(fbk__clv_fit(NULL, rows, 0, 0, &m), FBK_ENODATA);
}
END_TEST

START_TEST(spend_of_the_edge_cases)
{
    const fbk__spend_row equal[] = {{3.0, 10.0, 50.0}, {1.0, 10.0, 100.0}};
    const fbk__spend_row one[] = {{1.0, 10.0, 1.0}};
    const fbk__spend_row wild[] = {{1.0, 1e-3, 20.0}, {1.0, 1e9, 3.0}, {50.0, 7.0, 1.0}};
    const fbk__spend_row *sets[] = {equal, one, wild};
    const size_t sizes[] = {2, 1, 3};

    for (size_t k = 0; k < 3; k++) {
        fbk__spend_params m;

        tk_assert_ok(NULL, fbk__spend_fit(NULL, sets[k], sizes[k], 0, &m));
        for (double x = 0.0; x < 1e6; x = 10.0 * x + 1.0) {
            double e = fbk__spend_expected(&m, x, 12.5);

            ck_assert_msg(isfinite(e) && e >= 0.0 && e <= fmax(m.mean_max, 12.5), "%zu %g: %g", k,
                          x, e);
        }
        if (k == 0)
            ck_assert_double_eq_tol(fbk__spend_expected(&m, 0.0, 0.0), 10.0, 0.01);
    }
}
END_TEST

START_TEST(memory_that_fails)
{
    tk_alloc alloc;
    int k = 0;

    for (;; k++) {
        fbk__clv_row rows[N_SOME];
        size_t n = N_SOME;
        fbk__clv_params m = {.r = -1.0};
        fbk__spend_params s = {.p = -1.0};
        fbk_status rc;

        memcpy(rows, some, sizeof rows);
        tk_alloc_init(&alloc);
        alloc.fail_at = k;
        rc = fbk__clv_collapse(&alloc.allocator, rows, &n);
        if (rc == FBK_OK)
            rc = fbk__clv_fit(&alloc.allocator, rows, n, 0, &m);
        if (rc == FBK_OK)
            rc = fbk__spend_fit(&alloc.allocator, spent, 4, 0, &s);
        ck_assert_int_eq(alloc.n_live, 0);
        if (rc == FBK_OK)
            break;
        ck_assert_int_eq(rc, FBK_ENOMEM);
        ck_assert(s.p == -1.0);
    }
    ck_assert_int_ge(k, 10);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("clv_math");
    TCase *tc = tcase_create("clv_math");

    tcase_add_test(tc, likelihood_is_the_papers);
    tcase_add_test(tc, gradients_are_the_derivatives);
    tcase_add_test(tc, expectations_are_the_papers);
    tcase_add_test(tc, expectations_are_smooth);
    tcase_add_test(tc, counts_add_up);
    tcase_add_test(tc, one_time_buyers_are_alive_by_assumption);
    tcase_add_test(tc, discounting_is_the_sum_over_days);
    tcase_add_test(tc, the_truth_is_recovered);
    tcase_add_test(tc, hostile_data_gives_finite_answers);
    tcase_add_test(tc, equal_rows_are_merged);
    tcase_add_test(tc, spend_of_the_edge_cases);
    tcase_add_test(tc, memory_that_fails);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
