/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/optim.h"
#include "base/rng.h"
#include "base/sort.h"

#include <math.h>

#include "support/tk.h"

/* Rosenbrock's valley in n variables, minimum 0 at (1, …, 1). */
static fbk_status
valley(void *ctx, const double *x, double *out_value, double *grad)
{
    size_t n = *(size_t *)ctx;
    double f = 0.0;

    for (size_t i = 0; grad && i < n; i++)
        grad[i] = 0.0;
    for (size_t i = 0; i + 1 < n; i++) {
        double u = x[i + 1] - x[i] * x[i];
        double v = 1.0 - x[i];

        f += 100.0 * u * u + v * v;
        if (grad) {
            grad[i] += -400.0 * u * x[i] - 2.0 * v;
            grad[i + 1] += 200.0 * u;
        }
    }
    *out_value = f;
    return FBK_OK;
}

/* -log x + x, not defined at x <= 0; the gradient is withheld at will. */
static fbk_status
half_line(void *ctx, const double *x, double *out_value, double *grad)
{
    *out_value = x[0] > 0.0 ? x[0] - log(x[0]) : NAN;
    if (grad)
        grad[0] = *(int *)ctx ? 0.5 : 1.0 - 1.0 / x[0]; /* 0.5: a wrong gradient */
    return FBK_OK;
}

static fbk_status
gives_up(void *ctx, const double *x, double *out_value, double *grad)
{
    int *left = ctx;

    (void)x;
    *out_value = 1.0;
    if (grad)
        grad[0] = 1.0;
    return (*left)-- > 0 ? FBK_OK : FBK_ECANCELLED;
}

enum { N = 8 };
static const double low[N] = {-5, -5, -5, -5, -5, -5, -5, -5};
static const double high[N] = {5, 5, 5, 5, 5, 5, 5, 5};

START_TEST(bfgs_walks_the_valley)
{
    for (size_t n = 2; n <= N; n++) {
        fbk__optim p = {valley, &n, n, low, high, 1e-10, 2000};
        fbk__optim_result r;
        double x[N];

        for (size_t i = 0; i < n; i++)
            x[i] = i % 2 ? 1.5 : -1.2;
        tk_assert_ok(NULL, fbk__optim_bfgs(NULL, &p, x, &r));
        ck_assert(r.converged && r.grad_norm < 1e-6 && r.n_evals < 500);
        /* For n >= 4 there is a second minimum near (-1, 1, …); both are stationary. */
        for (size_t i = 1; i < n; i++)
            ck_assert_double_eq_tol(x[i], 1.0, r.value < 1.0 ? 1e-6 : 0.1);
    }
}
END_TEST

START_TEST(bounds_hold_and_are_reached)
{
    size_t n = 2;
    const double upper[2] = {0.5, 5.0};
    fbk__optim p = {valley, &n, 2, low, upper, 0, 0};
    fbk__optim_result r;
    double x[2] = {-3.0, 9.0};

    tk_assert_ok(NULL, fbk__optim_bfgs(NULL, &p, x, &r));
    ck_assert(r.converged && x[0] == 0.5);     /* exactly on it */
    ck_assert_double_eq_tol(x[1], 0.25, 1e-8); /* the value shows no more */
    ck_assert_double_eq_tol(r.value, 0.25, 1e-12);
}
END_TEST

START_TEST(simplex_needs_no_gradient)
{
    size_t n = 3;
    fbk__optim p = {valley, &n, 3, low, high, 0, 5000};
    fbk__optim_result r;
    double x[3] = {-1.2, 1.0, 2.0};

    tk_assert_ok(NULL, fbk__optim_simplex(NULL, &p, x, &r));
    ck_assert(r.converged);
    for (int i = 0; i < 3; i++)
        ck_assert_double_eq_tol(x[i], 1.0, 1e-5);
}
END_TEST

START_TEST(the_best_start_wins_and_repeats_exactly)
{
    size_t n = 4;
    const double starts[] = {-1.2, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0};
    fbk__optim p = {valley, &n, 4, low, high, 0, 0};
    fbk__optim_result r;
    fbk__optim_result again;
    double x[4];
    double y[4];

    tk_assert_ok(NULL, fbk__optim_minimise(NULL, &p, starts, 2, x, &r));
    tk_assert_ok(NULL, fbk__optim_minimise(NULL, &p, starts, 2, y, &again));
    ck_assert(r.converged && r.value < 1e-12);
    ck_assert(r.value == again.value && r.n_evals == again.n_evals);
    for (int i = 0; i < 4; i++)
        ck_assert(x[i] == y[i] && fabs(x[i] - 1.0) < 1e-6);
}
END_TEST

START_TEST(values_that_are_not_there_are_stepped_around)
{
    const double a = -10.0;
    const double b = 50.0;
    const double start = 40.0;
    int wrong;
    fbk__optim p = {half_line, &wrong, 1, &a, &b, 0, 0};
    fbk__optim_result r;
    double x;

    for (wrong = 0; wrong < 2; wrong++) { /* with a wrong gradient the simplex has to do it */
        tk_assert_ok(NULL, fbk__optim_minimise(NULL, &p, &start, 1, &x, &r));
        ck_assert_double_eq_tol(x, 1.0, 1e-6);
    }
}
END_TEST

START_TEST(a_failing_function_ends_it)
{
    const double a = -10.0;
    const double b = 50.0;
    const double start = 4.0;

    for (int allowed = 0; allowed < 8; allowed++) {
        int left = allowed;
        fbk__optim p = {gives_up, &left, 1, &a, &b, 0, 0};
        fbk__optim_result r;
        double x;

        ck_assert_int_eq(fbk__optim_minimise(NULL, &p, &start, 1, &x, &r), FBK_ECANCELLED);
    }
}
END_TEST

START_TEST(memory_that_fails)
{
    size_t n = 2;
    const double start[2] = {-1.2, 1.0};
    fbk__optim p = {valley, &n, 2, low, high, 0, 3}; /* too few: bfgs, simplex, bfgs */
    fbk__optim_result r;
    double x[2];
    tk_alloc alloc;
    int k = 0;

    for (;; k++) {
        fbk_status rc;

        tk_alloc_init(&alloc);
        alloc.fail_at = k;
        rc = fbk__optim_minimise(&alloc.allocator, &p, start, 1, x, &r);
        ck_assert_int_eq(alloc.n_live, 0);
        if (rc == FBK_OK)
            break;
        ck_assert_int_eq(rc, FBK_ENOMEM);
    }
    ck_assert_int_eq(k, 3);
}
END_TEST

START_TEST(sort_is_stable_and_orders_doubles)
{
    static const double special[] = {INFINITY, -INFINITY, 0.0, -0.0, 1e-310, -1e-310, 1.0, -1.0};
    enum { M = 5000 };
    static fbk__sort_item items[M];
    static double values[M];
    fbk__rng rng;
    tk_alloc alloc;

    fbk__rng_seed(&rng, 3);
    for (uint32_t i = 0; i < M; i++) {
        values[i] = i < 8 ? special[i] : floor(fbk__rng_normal(&rng) * 100.0) / 7.0;
        items[i] = (fbk__sort_item){fbk__sort_key_double(values[i]), i, 0};
    }
    tk_alloc_init(&alloc);
    alloc.fail_at = 0;
    ck_assert(!fbk__sort_items(&alloc.allocator, items, M));
    ck_assert_uint_eq(items[M - 1].row, M - 1); /* untouched */
    ck_assert(fbk__sort_items(NULL, items, M));
    for (size_t i = 1; i < M; i++) {
        double before = values[items[i - 1].row];
        double here = values[items[i].row];

        ck_assert(before < here || (before == here && items[i - 1].row < items[i].row));
    }
    ck_assert(fbk__sort_key_double(NAN) > fbk__sort_key_double(INFINITY));
    ck_assert(fbk__sort_key_int(INT64_MIN) < fbk__sort_key_int(-1));
    ck_assert(fbk__sort_key_int(-1) < fbk__sort_key_int(0));
    ck_assert(fbk__sort_items(NULL, items, 0) && fbk__sort_items(NULL, NULL, 0));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("optim");
    TCase *tc = tcase_create("optim");

    tcase_add_test(tc, bfgs_walks_the_valley);
    tcase_add_test(tc, bounds_hold_and_are_reached);
    tcase_add_test(tc, simplex_needs_no_gradient);
    tcase_add_test(tc, the_best_start_wins_and_repeats_exactly);
    tcase_add_test(tc, values_that_are_not_there_are_stepped_around);
    tcase_add_test(tc, a_failing_function_ends_it);
    tcase_add_test(tc, memory_that_fails);
    tcase_add_test(tc, sort_is_stable_and_orders_doubles);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
