/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/climate_math.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/time.h"

#include "support/tk.h"

/* A line of a CSV file in place: fields are cut out, quotes removed. Returns the number of them. */
static size_t
split(char *line, char **fields, size_t max)
{
    size_t n = 0;

    for (char *p = line; n < max;) {
        char *out = p;

        fields[n++] = p;
        if (*p == '"') {
            for (p++; *p && !(*p == '"' && p[1] != '"'); p++) {
                p += *p == '"';
                *out++ = *p;
            }
            p += *p == '"';
        } else {
            while (*p && *p != ',')
                *out++ = *p++;
        }
        if (*p++ != ',') {
            *out = '\0';
            break;
        }
        *out = '\0';
    }
    return n;
}

static double
number(const char *text)
{
    return text[0] ? strtod(text, NULL) : NAN;
}

static int64_t
date(const char *text)
{
    fbk__when w;

    if (!fbk__time_parse(text, strlen(text), &w))
        ck_assert_msg(fbk__time_parse_as("%Y-%m-%d", text, strlen(text), &w), "%s", text);
    return fbk__day_of_us(w.local_us);
}

enum { MAX_DAYS = 60000 };

/* Daily weather of a file. */
static struct {
    size_t n;
    fbk__climate_day day[MAX_DAYS];
} file;

typedef void (*row_fn)(char **fields, fbk__climate_day *out);

static bool
load(const char *name, row_fn row)
{
    const char *path = tk_data(name);
    char *text, *rest, *line;
    size_t len;

    file.n = 0;
    if (!path)
        return false;
    rest = text = tk_slurp(path, &len);
    (void)strsep(&rest, "\n");
    while ((line = strsep(&rest, "\n"))) {
        char *fields[16] = {NULL};

        if (split(line, fields, 16) < 3)
            continue;
        ck_assert_uint_lt(file.n, MAX_DAYS);
        file.day[file.n].sign = 1;
        file.day[file.n].wet = -1;
        row(fields, &file.day[file.n++]);
    }
    free(text);
    return true;
}

static void
row_nyc(char **fields, fbk__climate_day *out)
{
    out->day = date(fields[0]);
    out->mm = number(fields[1]) * 25.4;
    out->celsius = ((number(fields[4]) + number(fields[5])) / 2.0 - 32.0) / 1.8;
}

static void
row_seattle(char **fields, fbk__climate_day *out)
{
    out->day = date(fields[0]);
    out->mm = number(fields[1]);
    out->celsius = (number(fields[2]) + number(fields[3])) / 2.0;
}

/* Condition: 0 snow, .6 rain; no amounts. */
static void
row_uk(char **fields, fbk__climate_day *out)
{
    double condition = number(fields[5]);

    out->day = date(fields[0]);
    out->celsius = number(fields[1]);
    out->mm = NAN;
    out->wet = condition == 0.0 || condition == 0.6;
}

/* temp is degrees divided by 41; weathersit 3 is rain or snow. No amounts. */
static void
row_bike(char **fields, fbk__climate_day *out)
{
    out->day = date(fields[1]);
    out->celsius = number(fields[9]) * 41.0;
    out->mm = NAN;
    out->wet = fields[8][0] >= '3';
}

static void
fit_days(int64_t first, int64_t last, fbk__climate_normal *out)
{
    static fbk__climate_sums sums;

    memset(&sums, 0, sizeof sums);
    for (size_t i = 0; i < file.n; i++) {
        if (file.day[i].day >= first && file.day[i].day <= last)
            fbk__climate_sums_add(&sums, &file.day[i]);
    }
    ck_assert_int_eq(fbk__climate_normal_fit(&sums, out), FBK_OK);
}

/* Central Park: the mean over the year of both published thirty-year normals, as computed from the
 * same file (data set README); NOAA itself says 55.8 F and 49.52 in for 1991-2020. */
START_TEST(central_park)
{
    static const struct {
        int32_t first, last;
        double fahrenheit, inches;
    } rows[] = {{1981, 2010, 55.41, 49.92}, {1991, 2020, 55.72, 49.51}};
    double celsius = 0.0, mm = 0.0, wet = 0.0, squares = 0.0, sum = 0.0;
    int64_t first, last, n = 0;
    fbk__climate_normal normal;

    if (!load("weather_nyc/NYC_Central_Park_weather_1869-2022.csv.zst", row_nyc))
        tk_skip("the data set weather_nyc is absent");
    ck_assert_uint_eq(file.n, 56245);
    first = fbk__civil_days(rows[_i].first, 1, 1);
    last = fbk__civil_days(rows[_i].last, 12, 31);
    fit_days(first, last, &normal);
    ck_assert_uint_eq(normal.n_harmonics, 3);
    ck_assert_uint_eq(normal.provisional, 0);
    for (int64_t d = fbk__civil_days(2001, 1, 1); d <= fbk__civil_days(2001, 12, 31); d++) {
        fbk__climate_usual usual;

        fbk__climate_usual_at(&normal, d, &usual);
        celsius += usual.celsius / 365.0;
        mm += usual.mm;
        wet += usual.wet_prob;
    }
    ck_assert_double_eq_tol(celsius * 1.8 + 32.0, rows[_i].fahrenheit, 0.02);
    ck_assert_double_eq_tol(mm / 25.4, rows[_i].inches, 0.06);
    ck_assert(wet > 85.0 && wet < 105.0); /* days of 1 mm and more */
    for (size_t i = 0; i < file.n; i++) {
        fbk__climate_usual usual;
        double z;

        if (file.day[i].day < first || file.day[i].day > last || isnan(file.day[i].celsius))
            continue;
        fbk__climate_usual_at(&normal, file.day[i].day, &usual);
        z = fbk__climate_anomaly(&usual, file.day[i].celsius);
        sum += z;
        squares += z * z;
        n++;
    }
    ck_assert_double_eq_tol(sum / (double)n, 0.0, 0.01);
    ck_assert_double_eq_tol(squares / (double)n, 1.0, 0.01);
}
END_TEST

/* Seattle: four years of days against NOAA's hourly normals of thirty (means of each day's hours).
 * 2012-2015 were warm, so the curve lies above; its shape is the same. */
START_TEST(seattle)
{
    const char *path = tk_data("weather_vega/seattle-weather-hourly-normals.csv.zst");
    double noaa[366] = {0}, sum = 0.0, squares = 0.0;
    int n[366] = {0}, days = 0;
    fbk__climate_normal normal;
    char *text, *rest, *line;
    size_t len;

    if (!path || !load("weather_vega/seattle-weather.csv", row_seattle))
        tk_skip("the data set weather_vega is absent");
    ck_assert_uint_eq(file.n, 1461);
    fit_days(INT64_MIN, INT64_MAX, &normal);
    ck_assert_uint_eq(normal.provisional, 0);
    rest = text = tk_slurp(path, &len);
    (void)strsep(&rest, "\n");
    while ((line = strsep(&rest, "\n"))) {
        char *fields[8] = {NULL};

        if (split(line, fields, 8) < 3)
            continue;
        noaa[fbk__climate_slot(date(fields[0]))] += number(fields[2]);
        n[fbk__climate_slot(date(fields[0]))]++;
    }
    free(text);
    for (int64_t d = 0; d < 365; d++) {
        size_t slot = fbk__climate_slot(d);
        fbk__climate_usual usual;
        double gap;

        ck_assert_int_gt(n[slot], 0);
        fbk__climate_usual_at(&normal, d, &usual);
        gap = usual.celsius - noaa[slot] / n[slot];
        sum += gap;
        squares += gap * gap;
        days++;
    }
    sum /= days;
    ck_assert(sum > 0.0 && sum < 2.0);
    ck_assert_double_lt(sqrt(squares / days - sum * sum), 1.0);
}
END_TEST

/* ---- response ---- */

enum { P = FBK__CLIMATE_N + FBK__CLIMATE_CONTROLS, MAX_ROWS = 1000, MAX_ITEMS = 5000 };

static struct {
    fbk__climate_panel panel;
    size_t start[2];
    int32_t day[MAX_ROWS];
    double exposure[MAX_ROWS];
    double x[MAX_ROWS * P];
} shop;

static void
shop_row(int64_t day, int64_t first, int64_t last, double exposure, const fbk__climate_day *weather,
         const fbk__climate_normal *normal)
{
    double *x = shop.x + shop.panel.n * P;
    fbk__climate_usual usual;

    fbk__climate_usual_at(normal, weather->day, &usual);
    x[0] = fbk__climate_anomaly(&usual, weather->celsius);
    x[1] = (weather->wet >= 0 ? weather->wet : weather->mm >= FBK__CLIMATE_WET_MM) - usual.wet_prob;
    if (isnan(x[0])) /* a day without a reading is taken as usual */
        x[0] = 0.0;
    fbk__climate_controls(day, first, last, x + FBK__CLIMATE_N);
    shop.day[shop.panel.n] = (int32_t)day;
    shop.exposure[shop.panel.n] = exposure;
    shop.start[1] = ++shop.panel.n;
    shop.panel.n_strata = 1;
    shop.panel.start = shop.start;
    shop.panel.day = shop.day;
    shop.panel.exposure = shop.exposure;
    shop.panel.x = shop.x;
    shop.panel.p = P;
}

/* Rented bicycles: warmer than usual sells more, rain less; both beyond doubt. */
START_TEST(bike_sharing)
{
    const char *path = tk_data("bike_sharing/day.csv");
    double y[MAX_ROWS];
    fbk__climate_prior prior;
    fbk__climate_normal normal;
    fbk__climate_work *work;
    fbk__climate_fit fit;
    fbk__climate_belief belief[FBK__CLIMATE_N];
    char *text, *rest, *line;
    bool ok[FBK__CLIMATE_N];
    size_t len, n = 0;

    if (!path || !load("bike_sharing/day.csv", row_bike))
        tk_skip("the data set bike_sharing is absent");
    ck_assert_uint_eq(file.n, 731);
    fit_days(INT64_MIN, INT64_MAX, &normal);
    ck_assert_uint_eq(normal.provisional, 1);
    rest = text = tk_slurp(path, &len);
    (void)strsep(&rest, "\n");
    while ((line = strsep(&rest, "\n"))) {
        char *fields[16] = {NULL};

        if (split(line, fields, 16) < 16)
            continue;
        y[n] = number(fields[15]);
        shop_row(file.day[n].day, file.day[0].day, file.day[730].day, 1.0, &file.day[n], &normal);
        n++;
    }
    free(text);
    fbk__climate_estimable(&shop.panel, ok);
    ck_assert(ok[0] && ok[1]);
    work = fbk__climate_work_new(&shop.panel, NULL);
    ck_assert_int_eq(fbk__climate_fit_item(&shop.panel, y, INT32_MIN, INT32_MAX, work, &fit),
                     FBK_OK);
    fbk__climate_work_free(work, NULL);
    for (int k = 0; k < FBK__CLIMATE_N; k++) {
        fbk__climate_prior_fit(&fit.coef[k], &fit.variance[k], 1, &prior);
        fbk__climate_believe(&prior, fit.coef[k], fit.variance[k], &belief[k]);
        printf("bike %d: %.4f +- %.4f, dispersion %.1f, shrunk %.4f, sign %.6f\n", k, fit.coef[k],
               sqrt(fit.variance[k]), fit.dispersion, belief[k].coef, belief[k].sign_prob);
        ck_assert_double_gt(belief[k].sign_prob, 0.95);
    }
    ck_assert(belief[0].coef > 0.03 && belief[0].coef < 0.25);
    ck_assert(belief[1].coef < -0.3 && belief[1].coef > -1.5);
}
END_TEST

/* online_retail: baskets a day, and in how many of them each item was. */
static struct {
    int64_t first, last;
    double baskets[400];
    fbk__intern items;
    double (*sold)[400]; /* [item][day - first] */
} retail;

static bool
load_retail(void)
{
    const char *path = tk_data("online_retail/online_retail.csv.zst");
    char *text, *rest, *line;
    fbk__intern invoices;
    fbk__map pairs;
    size_t len;

    if (!path)
        return false;
    retail.first = fbk__civil_days(2010, 12, 1);
    retail.last = fbk__civil_days(2011, 12, 9);
    retail.sold = calloc(MAX_ITEMS, sizeof *retail.sold);
    fbk__intern_init(&retail.items, NULL, 1);
    fbk__intern_init(&invoices, NULL, 1);
    fbk__map_init(&pairs, NULL);
    rest = text = tk_slurp(path, &len);
    (void)strsep(&rest, "\n");
    while ((line = strsep(&rest, "\n"))) {
        char *fields[8] = {NULL};
        size_t before = invoices.n, day;
        uint32_t invoice, item;
        bool new_pair;

        if (split(line, fields, 8) < 8 || fields[0][0] == 'C' || number(fields[3]) <= 0.0)
            continue;
        day = (size_t)(date(fields[4]) - retail.first);
        ck_assert_uint_lt(day, 400);
        invoice = fbk__intern_add(&invoices, fields[0], strlen(fields[0]));
        item = fbk__intern_add(&retail.items, fields[1], strlen(fields[1]));
        retail.baskets[day] += invoices.n > before;
        ck_assert_ptr_nonnull(fbk__map_put(&pairs, (uint64_t)invoice << 32 | item, &new_pair));
        retail.sold[item][day] += new_pair;
    }
    free(text);
    fbk__intern_free(&invoices);
    fbk__map_free(&pairs);
    return true;
}

/* The whole estimate with the weather of `shift` days later in the file. */
static void
respond(int64_t shift, const fbk__climate_normal *normal, int *out_n, int *out_reported)
{
    double *coef[FBK__CLIMATE_N], *variance[FBK__CLIMATE_N], y[MAX_ROWS];
    bool reported[MAX_ITEMS] = {false}, ok[FBK__CLIMATE_N];
    uint32_t n = (uint32_t)retail.items.n;
    fbk__climate_work *work;

    *out_n = *out_reported = 0;
    shop.panel.n = 0;
    for (int64_t d = retail.first, w = 0; d <= retail.last; d++) {
        if (retail.baskets[d - retail.first] <= 0.0)
            continue;
        while (file.day[w].day != d + shift)
            w++;
        shop_row(d, retail.first, retail.last, retail.baskets[d - retail.first], &file.day[w],
                 normal);
    }
    fbk__climate_estimable(&shop.panel, ok);
    ck_assert(ok[0] && ok[1]);
    work = fbk__climate_work_new(&shop.panel, NULL);
    for (int k = 0; k < FBK__CLIMATE_N; k++) {
        coef[k] = calloc(MAX_ITEMS, sizeof(double));
        variance[k] = calloc(MAX_ITEMS, sizeof(double));
    }
    for (uint32_t i = 0; i < n; i++) {
        fbk__climate_fit fit = {{0, 0}, {INFINITY, INFINITY}, 1};
        int32_t from = INT32_MAX, to = INT32_MIN;

        for (size_t r = 0; r < shop.panel.n; r++) {
            y[r] = retail.sold[i][shop.day[r] - retail.first];
            if (y[r] > 0.0) {
                from = from < shop.day[r] ? from : shop.day[r];
                to = shop.day[r];
            }
        }
        *out_n += fbk__climate_fit_item(&shop.panel, y, from, to, work, &fit) == FBK_OK;
        for (int k = 0; k < FBK__CLIMATE_N; k++) {
            coef[k][i] = fit.coef[k];
            variance[k][i] = fit.variance[k];
        }
    }
    for (int k = 0; k < FBK__CLIMATE_N; k++) {
        fbk__climate_prior prior;
        double squares = 0.0;
        int finite = 0;

        fbk__climate_prior_fit(coef[k], variance[k], n, &prior);
        for (uint32_t i = 0; i < n; i++) {
            fbk__climate_belief belief;

            fbk__climate_believe(&prior, coef[k][i], variance[k][i], &belief);
            reported[i] |= belief.sign_prob > 0.95;
            if (isfinite(variance[k][i])) {
                squares += coef[k][i] * coef[k][i] / variance[k][i];
                finite++;
            }
        }
        printf("  %d: share %.4f sd %.4f mean squared z %.3f of %d\n", k, prior.share, prior.sd,
               squares / finite, finite);
        free(coef[k]);
        free(variance[k]);
    }
    for (uint32_t i = 0; i < n; i++)
        *out_reported += reported[i];
    fbk__climate_work_free(work, NULL);
}

/* A real shop against weather that it cannot have felt: Seattle's of other years. Whatever is
 * reported is false; at most 5 % of the items may be. */
START_TEST(placebo_weather)
{
    static const int32_t years[] = {2012, 2013, 2014};
    fbk__climate_normal normal;

    if (!load_retail())
        tk_skip("the data set online_retail is absent");
    if (!load("weather_vega/seattle-weather.csv", row_seattle))
        tk_skip("the data set weather_vega is absent");
    fit_days(INT64_MIN, INT64_MAX, &normal);
    for (size_t i = 0; i < 3; i++) {
        int64_t shift = fbk__civil_days(years[i], 12, 1) - retail.first;
        int n, reported;

        if (i == 2) /* the file ends in December 2015 */
            shift -= 9;
        respond(shift, &normal, &n, &reported);
        printf("placebo %d: %d items, %d reported\n", years[i], n, reported);
        ck_assert_int_gt(n, 1500);
        ck_assert_int_le(reported, n / 20);
    }
    fbk__intern_free(&retail.items);
    free(retail.sold);
}
END_TEST

/* The same shop against its own weather: one year and a week, so the normal is provisional; the
 * estimate must be well-posed. */
START_TEST(one_year_of_real_weather)
{
    fbk__climate_normal normal;
    int n, reported;

    if (!load_retail())
        tk_skip("the data set online_retail is absent");
    if (!load("uk_weather_online_retail/weather-data-daily-uk.csv", row_uk))
        tk_skip("the data set uk_weather_online_retail is absent");
    ck_assert_uint_eq(file.n, 396);
    for (size_t i = 0; i < file.n; i++) { /* the file is not sorted */
        for (size_t j = i; j > 0 && file.day[j - 1].day > file.day[j].day; j--) {
            fbk__climate_day swap = file.day[j];

            file.day[j] = file.day[j - 1];
            file.day[j - 1] = swap;
        }
    }
    fit_days(INT64_MIN, INT64_MAX, &normal);
    ck_assert_uint_eq(normal.provisional, 1);
    respond(0, &normal, &n, &reported);
    printf("uk: %d items, %d reported\n", n, reported);
    ck_assert_int_gt(n, 1500);
    ck_assert_int_le(reported, n / 4);
    fbk__intern_free(&retail.items);
    free(retail.sold);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("climate");
    TCase *tc = tcase_create("climate");

    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, central_park, 0, 2);
    tcase_add_test(tc, seattle);
    tcase_add_test(tc, bike_sharing);
    tcase_add_test(tc, placebo_weather);
    tcase_add_test(tc, one_year_of_real_weather);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
