/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "base/special.h"
#include "base/time.h"
#include "model/clv_math.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/tk.h"

enum { MAX_CUSTOMERS = 5000 };

/* CDNOW as its authors prepared it: purchases of one day are one, time in weeks. */
typedef struct cdnow {
    fbk__clv_row rows[MAX_CUSTOMERS];
    double spend[MAX_CUSTOMERS]; /* mean of the repeat purchases in calibration, dollars */
    double holdout[MAX_CUSTOMERS];
    size_t n;
} cdnow;

static int64_t
day_of(long yyyymmdd)
{
    return fbk__civil_days((int32_t)(yyyymmdd / 10000), (int32_t)(yyyymmdd / 100 % 100),
                           (int32_t)(yyyymmdd % 100));
}

static cdnow *
cdnow_load(void)
{
    const char *path = tk_data("cdnow/CDNOW_sample.txt.zst");
    int64_t end = day_of(19970930);
    int64_t first = 0;
    int64_t last = 0;
    long who = -1;
    cdnow *d;
    char *text;
    char *at;
    size_t len;

    if (!path)
        return NULL;
    text = at = tk_slurp(path, &len);
    d = calloc(1, sizeof *d);
    ck_assert_ptr_nonnull(d);
    for (;; at = strchr(at, '\n') + 1) {
        long id;
        long date;
        double dollars;
        int64_t day;
        fbk__clv_row *row;

        if (sscanf(at, " %*s %ld %ld %*s %lf", &id, &date, &dollars) != 3)
            break;
        day = day_of(date);
        if (id != who) {
            ck_assert_uint_lt(d->n, MAX_CUSTOMERS);
            who = id;
            first = last = day;
            d->rows[d->n++] = (fbk__clv_row){0.0, 0.0, (double)(end - first) / 7.0, 1.0};
            continue;
        }
        row = &d->rows[d->n - 1];
        if (day <= end && day > first)
            d->spend[d->n - 1] += dollars;
        if (day == last)
            continue;
        last = day;
        if (day > end) {
            d->holdout[d->n - 1] += 1.0;
            continue;
        }
        row->x += 1.0;
        row->t_x = (double)(day - first) / 7.0;
    }
    for (size_t i = 0; i < d->n; i++) {
        if (d->rows[i].x > 0.0)
            d->spend[i] /= d->rows[i].x;
    }
    free(text);
    return d;
}

/* The published parameters, at which some figures are stated. */
static const fbk__clv_params paper = {
    .r = 0.243, .alpha = 4.414, .a = 0.793, .b = 2.426, .rate_max = 1e9};

static fbk__clv_params
cdnow_fit(const cdnow *d)
{
    fbk__clv_row *rows = malloc(sizeof d->rows);
    size_t n = d->n;
    fbk__clv_params m;

    ck_assert_ptr_nonnull(rows);
    memcpy(rows, d->rows, sizeof d->rows);
    tk_assert_ok(NULL, fbk__clv_collapse(NULL, rows, &n));
    ck_assert_uint_lt(n, d->n);
    tk_assert_ok(NULL, fbk__clv_fit(NULL, rows, n, 0, &m));
    free(rows);
    return m;
}

START_TEST(cdnow_is_prepared_as_published)
{
    cdnow *d = cdnow_load();
    double repeats = 0.0;
    double holdout = 0.0;

    if (!d)
        tk_skip("the CDNOW sample is not there");
    for (size_t i = 0; i < d->n; i++) {
        repeats += d->rows[i].x;
        holdout += d->holdout[i];
    }
    ck_assert_uint_eq(d->n, 2357);
    ck_assert(repeats == 2457.0 && holdout == 1882.0);
    free(d);
}
END_TEST

START_TEST(bgnbd_fit_is_the_published_one)
{
    cdnow *d = cdnow_load();
    fbk__clv_params m;

    if (!d)
        tk_skip("the CDNOW sample is not there");
    m = cdnow_fit(d);
    ck_assert_uint_eq(m.status, FBK__CLV_FULL);
    ck_assert_double_eq_tol(m.r, 0.2425945, 1e-4);
    ck_assert_double_eq_tol(m.alpha, 4.4136019, 1e-4);
    ck_assert_double_eq_tol(m.a, 0.7929199, 1e-4);
    ck_assert_double_eq_tol(m.b, 2.4258881, 1e-4);
    ck_assert_double_eq_tol(m.loglik, -9582.429, 0.01);
    free(d);
}
END_TEST

START_TEST(bgnbd_means_are_the_published_ones)
{
    static const double t[] = {0.1429, 1.0, 3.0, 31.8571, 32.0, 78.0};
    static const double mean[] = {0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8580};
    cdnow *d = cdnow_load();
    fbk__clv_params m;

    if (!d)
        tk_skip("the CDNOW sample is not there");
    m = cdnow_fit(d);
    for (size_t i = 0; i < 6; i++)
        ck_assert_double_eq_tol(fbk__clv_mean(&m, t[i]), mean[i], 1e-4);
    free(d);
}
END_TEST

START_TEST(bgnbd_answers_at_the_published_parameters)
{
    double p;

    ck_assert_double_eq_tol(fbk__clv_expected(&paper, 2.0, 30.43, 38.86, 39.0), 1.226, 1e-3);
    p = fbk__clv_pmf(&paper, 39.0, 0);
    ck_assert_double_eq_tol(p, 0.5737864, 1e-6 * p);
    p = fbk__clv_pmf(&paper, 2.0, 10);
    ck_assert_double_eq_tol(p, 1.07869e-07, 1e-12); /* stated with six digits */
}
END_TEST

START_TEST(bgnbd_beats_the_naive_rate_on_the_holdout)
{
    cdnow *d = cdnow_load();
    fbk__clv_params m;
    double mae = 0.0;
    double square = 0.0;
    double naive = 0.0;
    double total = 0.0;

    if (!d)
        tk_skip("the CDNOW sample is not there");
    m = cdnow_fit(d);
    for (size_t i = 0; i < d->n; i++) {
        const fbk__clv_row *row = &d->rows[i];
        double e = fbk__clv_expected(&m, row->x, row->t_x, row->t, 39.0);

        total += e;
        mae += fabs(e - d->holdout[i]);
        square += (e - d->holdout[i]) * (e - d->holdout[i]);
        naive += fabs(row->x / row->t * 39.0 - d->holdout[i]);
    }
    ck_assert_double_eq_tol(mae / (double)d->n, 0.7855, 1e-3);
    ck_assert_double_eq_tol(sqrt(square / (double)d->n), 1.608, 1e-3);
    ck_assert_double_eq_tol(total, 1653.4, 0.1);
    ck_assert_double_eq_tol(naive / (double)d->n, 1.0237, 1e-3);
    free(d);
}
END_TEST

START_TEST(gamma_gamma_is_the_published_one)
{
    static const double first[] = {24.65, 18.91, 35.17, 35.17, 35.17,
                                   71.46, 18.91, 35.17, 27.28, 35.17};
    static fbk__spend_row rows[MAX_CUSTOMERS];
    cdnow *d = cdnow_load();
    fbk__spend_params m;
    size_t n = 0;

    if (!d)
        tk_skip("the CDNOW sample is not there");
    for (size_t i = 0; i < d->n; i++) {
        if (d->rows[i].x > 0.0)
            rows[n++] = (fbk__spend_row){d->rows[i].x, d->spend[i], 1.0};
    }
    ck_assert_uint_eq(n, 946);
    tk_assert_ok(NULL, fbk__spend_fit(NULL, rows, n, 0, &m));
    ck_assert_double_eq_tol(m.p, 6.24957, 1e-4);
    ck_assert_double_eq_tol(m.q, 3.74422, 1e-4);
    ck_assert_double_eq_tol(m.gamma, 15.44352, 1e-3);
    ck_assert_double_eq_tol(m.loglik, -4055.918, 0.01);
    for (size_t i = 0; i < 10; i++)
        ck_assert_double_eq_tol(fbk__spend_expected(&m, d->rows[i].x, d->spend[i]), first[i], 0.01);
    free(d);
}
END_TEST

/* Orders of online_retail: one a customer and day, valid sales only; ages in days up to the end of
 * the last day. */
static size_t
retail_load(fbk__clv_row *rows)
{
    static int64_t first[20000];
    static int64_t last[20000];
    const char *path = tk_data("online_retail/online_retail.csv.zst");
    int64_t end = 0;
    size_t len;
    size_t n = 0;
    char *text;
    char *save = NULL;

    if (!path)
        return 0;
    text = tk_slurp(path, &len);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        /* Only the description holds commas; the four fields after the date hold none. */
        char *date = strstr(line, ",\"201");
        char *quantity;
        char *rest;
        int y;
        int m;
        int day;
        long id;
        int64_t when;

        if (!date)
            continue;
        *date = '\0';
        quantity = strrchr(line, ',');
        ck_assert(quantity && sscanf(date + 2, "%d-%d-%d", &y, &m, &day) == 3);
        when = fbk__civil_days(y, m, day);
        end = when > end ? when : end;
        rest = strchr(date + 2, ',');
        ck_assert_ptr_nonnull(rest);
        if (strtol(quantity + 1, NULL, 10) <= 0 || strtod(rest + 1, &rest) <= 0.0)
            continue;
        id = strtol(rest + 1, NULL, 10);
        if (id <= 0)
            continue;
        ck_assert_int_lt(id, 20000);
        if (!first[id]) {
            first[id] = last[id] = when;
        } else if (when != last[id]) {
            ck_assert_int_gt(when, last[id]);
            last[id] = when;
            rows[id].x += 1.0;
        }
    }
    for (size_t i = 0; i < 20000; i++) {
        if (first[i])
            rows[n++] = (fbk__clv_row){rows[i].x, (double)(last[i] - first[i]),
                                       (double)(end + 1 - first[i]), 1.0};
    }
    free(text);
    return n;
}

START_TEST(online_retail_has_no_dropout_to_see)
{
    static fbk__clv_row rows[20000];
    size_t n = retail_load(rows);
    fbk__clv_params m;

    if (!n)
        tk_skip("online_retail is not there");
    ck_assert_uint_eq(n, 4338);
    tk_assert_ok(NULL, fbk__clv_collapse(NULL, rows, &n));
    tk_assert_ok(NULL, fbk__clv_fit(NULL, rows, n, 0, &m));
    ck_assert_uint_eq(m.status, FBK__CLV_NO_DROPOUT);
    ck_assert_double_eq_tol(m.r, 0.8268, 1e-3);
    ck_assert_double_eq_tol(m.alpha, 69.45, 0.02);
    ck_assert_double_eq_tol(m.loglik, -61875.39, 0.01);
    ck_assert(m.a == 0.0 && m.b == 0.0);
    for (size_t i = 0; i < n; i++) {
        double e = fbk__clv_expected(&m, rows[i].x, rows[i].t_x, rows[i].t, 365.0);

        ck_assert(isfinite(e) && e >= 0.0 && e <= 10.0 * m.rate_max * 365.0);
        ck_assert(fbk__clv_alive(&m, rows[i].x, rows[i].t_x, rows[i].t) == 1.0);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("clv");
    TCase *tc = tcase_create("clv");

    tcase_add_test(tc, cdnow_is_prepared_as_published);
    tcase_add_test(tc, bgnbd_fit_is_the_published_one);
    tcase_add_test(tc, bgnbd_means_are_the_published_ones);
    tcase_add_test(tc, bgnbd_answers_at_the_published_parameters);
    tcase_add_test(tc, bgnbd_beats_the_naive_rate_on_the_holdout);
    tcase_add_test(tc, gamma_gamma_is_the_published_one);
    tcase_add_test(tc, online_retail_has_no_dropout_to_see);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
