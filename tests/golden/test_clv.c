/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "model/clv.h"
#include "model/rfm.h"
#include "record/event.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/tk.h"
#include "support/tk_log.h"

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
    double came = 0.0;
    double products[3] = {0.0, 0.0, 0.0}; /* forecast squared, came squared, both */
    double n;

    if (!d)
        tk_skip("the CDNOW sample is not there");
    m = cdnow_fit(d);
    n = (double)d->n;
    for (size_t i = 0; i < d->n; i++) {
        const fbk__clv_row *row = &d->rows[i];
        double e = fbk__clv_expected(&m, row->x, row->t_x, row->t, 39.0);

        total += e;
        came += d->holdout[i];
        products[0] += e * e;
        products[1] += d->holdout[i] * d->holdout[i];
        products[2] += e * d->holdout[i];
        mae += fabs(e - d->holdout[i]);
        square += (e - d->holdout[i]) * (e - d->holdout[i]);
        naive += fabs(row->x / row->t * 39.0 - d->holdout[i]);
    }
    ck_assert_double_eq_tol(mae / (double)d->n, 0.7855, 1e-3);
    ck_assert_double_eq_tol(sqrt(square / (double)d->n), 1.608, 1e-3);
    ck_assert_double_eq_tol(total, 1653.4, 0.1);
    ck_assert_double_eq_tol(naive / (double)d->n, 1.0237, 1e-3);
    ck_assert_double_eq_tol(
        (products[2] - total * came / n) /
            sqrt((products[0] - total * total / n) * (products[1] - came * came / n)),
        0.6256, 1e-3);
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

/* Orders of online_retail: one a customer and day, valid sales only. */
enum { MAX_IDS = 20000, MAX_DAYS = 30000 };

typedef struct retail_day {
    long id;
    int64_t day;
    int64_t micro;
} retail_day;

typedef struct retail {
    retail_day days[MAX_DAYS];
    size_t n;
    int64_t end; /* the day after the last one */
} retail;

/* @return false for a line that is no valid sale to somebody. */
static bool
retail_line(char *line, retail *r, retail_day *out)
{
    /* Only the description holds commas; the four fields after the date hold none. */
    char *date = strstr(line, ",\"201");
    char *quantity;
    char *rest;
    int64_t n;
    double price;
    int y;
    int m;
    int d;

    if (!date)
        return false;
    *date = '\0';
    quantity = strrchr(line, ',');
    rest = strchr(date + 2, ',');
    ck_assert(quantity && rest && sscanf(date + 2, "%d-%d-%d", &y, &m, &d) == 3);
    out->day = fbk__civil_days(y, m, d);
    r->end = out->day >= r->end ? out->day + 1 : r->end;
    n = strtol(quantity + 1, NULL, 10);
    price = strtod(rest + 1, &rest);
    out->id = strtol(rest + 1, NULL, 10);
    out->micro = n * llround(price * 1e6);
    return n > 0 && price > 0.0 && out->id > 0;
}

static retail *
retail_load(void)
{
    static size_t last[MAX_IDS]; /* number of the last day of a customer + 1 */
    const char *path = tk_data("online_retail/online_retail.csv.zst");
    char *save = NULL;
    size_t len;
    char *text;
    retail *r;

    if (!path)
        return NULL;
    text = tk_slurp(path, &len);
    r = calloc(1, sizeof *r);
    ck_assert_ptr_nonnull(r);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        retail_day at;

        if (!retail_line(line, r, &at))
            continue;
        ck_assert_int_lt(at.id, MAX_IDS);
        if (last[at.id] && r->days[last[at.id] - 1].day == at.day) {
            r->days[last[at.id] - 1].micro += at.micro;
            continue;
        }
        ck_assert_uint_lt(r->n, MAX_DAYS);
        r->days[r->n++] = at;
        last[at.id] = r->n;
    }
    free(text);
    return r;
}

/* A row a customer, with ages up to the end of the last day. */
static size_t
retail_rows(const retail *r, fbk__clv_row *rows)
{
    static int64_t first[MAX_IDS];
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++) {
        const retail_day *d = &r->days[i];

        if (!first[d->id]) {
            first[d->id] = d->day;
            rows[d->id] = (fbk__clv_row){0.0, 0.0, (double)(r->end - d->day), 1.0};
        } else {
            rows[d->id].x += 1.0;
            rows[d->id].t_x = (double)(d->day - first[d->id]);
        }
    }
    for (size_t i = 0; i < MAX_IDS; i++) {
        if (first[i])
            rows[n++] = rows[i];
    }
    return n;
}

START_TEST(online_retail_has_no_dropout_to_see)
{
    static fbk__clv_row rows[MAX_IDS];
    retail *r = retail_load();
    fbk__clv_params m;
    size_t n;

    if (!r)
        tk_skip("online_retail is not there");
    n = retail_rows(r, rows);
    free(r);
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

/* One sale a customer and day, at noon, through the whole way in. */
static void
retail_store(fbk *db, const retail *r)
{
    fbk__append_counts counts;
    fbk__batch b;

    fbk__batch_init(&b, NULL);
    for (size_t i = 0; i < r->n; i++) {
        const retail_day *d = &r->days[i];
        fbk__batch_event *e = fbk__batch_add_event(&b);
        fbk__batch_line *line = fbk__batch_add_line(&b);
        fbk__batch_ident *ident = fbk__batch_add_ident(&b);
        char text[48];

        ck_assert(e && line && ident);
        (void)snprintf(text, sizeof text, "%ld/%ld", d->id, (long)d->day);
        tk_assert_ok(db, fbk__batch_text(&b, text, strlen(text), &e->id));
        e->occurred_us = d->day * FBK__DAY_US + FBK__DAY_US / 2;
        e->kind = fbk__intern_add(&b.words, "sale", 4);
        e->source = fbk__intern_add(&b.words, "shop", 4);
        e->channel = e->currency = fbk__intern_add(&b.words, "", 0);
        e->place = fbk__intern_add(&b.places, "", 0);
        line->item = fbk__intern_add(&b.items, "all", 3);
        line->quantity_milli = 1000;
        line->amount_micro = d->micro;
        (void)snprintf(text, sizeof text, "%ld", d->id);
        ident->space = fbk__intern_add(&b.words, "customer", 8);
        tk_assert_ok(db, fbk__batch_text(&b, text, strlen(text), &ident->value));
        tk_assert_ok(db, fbk__event_validate_last(db, &b));
    }
    tk_assert_ok(db, fbk__event_append_batch(db, &b, NULL, &counts));
    ck_assert_uint_eq(counts.added, r->n);
    fbk__batch_free(&b);
}

START_TEST(online_retail_from_the_store)
{
    fbk_clv_report report = FBK_CLV_REPORT_INIT;
    struct ArrowArrayStream stream;
    fbk_arrow_rows rows;
    fbk_time as_of;
    int64_t revenue = 0;
    int64_t n = 0;
    retail *r = retail_load();
    fbk_store *store;
    fbk *db;

    if (!r)
        tk_skip("online_retail is not there");
    store = tk_store_open(":memory:", NULL);
    db = tk_store_connect(store);
    retail_store(db, r);
    as_of = r->end * FBK__DAY_US;
    free(r);
    tk_assert_ok(db, fbk_clv_train(db, as_of, NULL, &report));
    ck_assert_uint_eq(report.status, FBK_CLV_NO_DROPOUT);
    ck_assert_uint_eq(report.n_customers, 4338);
    ck_assert_double_eq_tol(report.r, 0.8268, 1e-3);
    ck_assert_double_eq_tol(report.alpha_days, 69.45, 0.02);
    ck_assert_double_eq_tol(report.loglik, -61875.39, 0.01);
    tk_assert_ok(db, fbk_rfm_score(db, as_of, NULL, &stream));
    tk_assert_ok(NULL, fbk_arrow_rows_open(&rows, &stream));
    for (; fbk_arrow_rows_next(&rows) == FBK_OK; n++)
        revenue += fbk_arrow_rows_int64(&rows, fbk_arrow_rows_column(&rows, "monetary_micro"));
    fbk_arrow_rows_close(&rows);
    ck_assert_int_eq(n, 4338);
    ck_assert_int_eq(revenue, INT64_C(8911407904000)); /* to the tenth of a penny */
    fbk_close(db);
    fbk_store_close(store);
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
    tcase_add_test(tc, online_retail_from_the_store);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
