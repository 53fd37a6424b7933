/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/climate.h>

#include <math.h>
#include <string.h>

#include "base/options.h"
#include "base/time.h"
#include "model/climate_panel.h"
#include "record/weather.h"

#define OPTIONS_V1_SIZE 32u
#define SUMMARY_V1_SIZE 48u
_Static_assert(sizeof(fbk_climate_options) == OPTIONS_V1_SIZE, "fbk_climate_options v1");
_Static_assert(sizeof(fbk_climate_summary) == SUMMARY_V1_SIZE, "fbk_climate_summary v1");

enum { P = FBK__CLIMATE_N + FBK__CLIMATE_CONTROLS };

/* Responses are believed from here on (posterior probability of their sign). */
static const double SIGN_PROB = 0.95;

/* What is known of an item's response after its own fit. */
typedef struct estimate {
    uint32_t item;
    uint32_t n_sold;
    double coef[FBK__CLIMATE_N];
    double variance[FBK__CLIMATE_N];
} estimate;

typedef struct training {
    fbk *db;
    const fbk_allocator *a;
    const fbk_climate_options *options;
    fbk_time as_of_us;
    const fbk__places *places;
    const fbk__items *items;
    uint32_t n_stations;
    fbk__climate_normal *normals; /* n_stations + 1 */
    fbk__climate_sales sales;
    fbk__climate_panel panel;
    uint32_t *panel_row; /* by row of sales; UINT32_MAX = left out */
    size_t *start;
    int32_t *day;
    double *exposure;
    double *x;
    estimate *estimates;
    size_t n_estimates, estimate_cap;
    fbk__climate_item *responding;
    size_t n_responding, responding_cap;
    fbk__climate_prior prior[FBK__CLIMATE_N];
    fbk_climate_summary summary;
} training;

/* ---- normals ---- */

static fbk_status
station_normal(training *t, uint32_t station, fbk__climate_sums *sums)
{
    const fbk__tz *tz = fbk__station_tz(t->places, station);
    int64_t today = fbk__day_of_us(fbk__tz_to_local(tz, t->as_of_us));
    int64_t years = t->options->normal_years ? t->options->normal_years : 30;
    fbk__weather_day *days = NULL;
    size_t n = 0;
    fbk_status rc = fbk__weather_read_days(t->db, station, tz, today - years * 36525 / 100,
                                           today - 1, &days, &n);

    if (rc < 0)
        return rc;
    memset(sums, 0, sizeof *sums);
    for (size_t i = 0; i < n; i++) {
        fbk__climate_day day = {days[i].day, days[i].celsius, days[i].mm, days[i].wet, 1};

        fbk__climate_sums_add(sums, &day);
    }
    fbk__free(fbk__a(t->db), days);
    rc = fbk__climate_normal_fit(sums, &t->normals[station]);
    if (rc == FBK_OK) {
        t->summary.n_stations++;
        t->summary.n_provisional += t->normals[station].provisional;
    }
    return rc == FBK_ENODATA ? FBK_OK : rc;
}

static fbk_status
normals_fit(training *t)
{
    fbk__climate_sums *sums = fbk__calloc(t->a, 1, sizeof *sums);
    fbk_status rc = fbk__station_count(t->db, &t->n_stations);

    t->normals = fbk__calloc(t->a, (size_t)t->n_stations + 1, sizeof *t->normals);
    if (!sums || !t->normals)
        rc = fbk__nomem(t->db);
    for (uint32_t s = 1; rc >= 0 && s <= t->n_stations; s++)
        rc = station_normal(t, s, sums);
    fbk__free(t->a, sums);
    if (rc >= 0 && t->summary.n_stations == 0)
        rc = fbk__fail(t->db, FBK_ENODATA,
                       "no weather station had the temperature of at least %d days",
                       FBK__CLIMATE_MIN_DAYS);
    if (t->summary.n_provisional > 0)
        t->summary.flags |= FBK_CLIMATE_PROVISIONAL;
    return rc;
}

/* ---- the panel ---- */

static fbk_status
panel_alloc(training *t)
{
    size_t n = t->sales.n_rows;

    t->panel_row = fbk__calloc(t->a, n + 1, sizeof *t->panel_row);
    t->start = fbk__calloc(t->a, (size_t)t->n_stations + 2, sizeof *t->start);
    t->day = fbk__calloc(t->a, n + 1, sizeof *t->day);
    t->exposure = fbk__calloc(t->a, n + 1, sizeof *t->exposure);
    t->x = fbk__calloc(t->a, n + 1, P * sizeof *t->x);
    if (!t->panel_row || !t->start || !t->day || !t->exposure || !t->x)
        return fbk__nomem(t->db);
    return FBK_OK;
}

/* Departures of a day's weather; what is not known is taken as usual. */
static void
departures(const fbk__climate_normal *normal, const fbk__weather_day *weather, double *x)
{
    fbk__climate_usual usual;

    fbk__climate_usual_at(normal, weather->day, &usual);
    x[FBK__CLIMATE_TEMP] =
        isnan(weather->celsius) ? 0.0 : fbk__climate_anomaly(&usual, weather->celsius);
    x[FBK__CLIMATE_WET] =
        weather->wet < 0 || isnan(usual.wet_prob) ? 0.0 : weather->wet - usual.wet_prob;
}

/* Rows [from, to) of one station, which has a normal: match them with its days. */
static fbk_status
panel_station(training *t, uint32_t station, size_t from, size_t to)
{
    const fbk__tz *tz = fbk__station_tz(t->places, station);
    fbk__climate_sales *s = &t->sales;
    fbk__weather_day *days = NULL;
    size_t n_days = 0, d = 0;
    fbk_status rc =
        fbk__weather_read_days(t->db, station, tz, s->day[from], s->day[to - 1], &days, &n_days);

    if (rc < 0)
        return rc;
    for (size_t r = from; r < to; r++) {
        size_t n = t->panel.n;

        while (d < n_days && days[d].day < s->day[r])
            d++;
        if (d == n_days || days[d].day != s->day[r] || s->baskets[r] <= 0.0)
            continue;
        departures(&t->normals[station], &days[d], t->x + n * P);
        t->day[n] = s->day[r];
        t->exposure[n] = s->baskets[r];
        t->panel_row[r] = (uint32_t)n;
        t->panel.n++;
    }
    fbk__free(fbk__a(t->db), days);
    return FBK_OK;
}

static fbk_status
panel_build(training *t)
{
    fbk__climate_sales *s = &t->sales;
    int32_t first = INT32_MAX, last = INT32_MIN;
    fbk_status rc = panel_alloc(t);

    memset(&t->panel, 0, sizeof t->panel);
    for (size_t r = 0; rc >= 0 && r < s->n_rows; r++)
        t->panel_row[r] = UINT32_MAX;
    for (size_t from = 0, to; rc >= 0 && from < s->n_rows; from = to) {
        uint32_t station = s->station[from];

        for (to = from; to < s->n_rows && s->station[to] == station;)
            to++;
        if (station > t->n_stations || t->normals[station].n_days == 0)
            continue;
        rc = panel_station(t, station, from, to);
        if (t->panel.n > t->start[t->panel.n_strata])
            t->start[++t->panel.n_strata] = t->panel.n;
    }
    if (rc < 0)
        return rc;
    for (size_t r = 0; r < t->panel.n; r++) {
        first = t->day[r] < first ? t->day[r] : first;
        last = t->day[r] > last ? t->day[r] : last;
    }
    for (size_t r = 0; r < t->panel.n; r++)
        fbk__climate_controls(t->day[r], first, last, t->x + r * P + FBK__CLIMATE_N);
    t->panel.start = t->start;
    t->panel.day = t->day;
    t->panel.exposure = t->exposure;
    t->panel.x = t->x;
    t->panel.p = P;
    t->summary.n_days = t->panel.n;
    return FBK_OK;
}

/* ---- items ---- */

/* One item: its sales are [from, to). y is all zero before and after. */
static fbk_status
item_fit(training *t, size_t from, size_t to, double *y, fbk__climate_work *work)
{
    int32_t first = INT32_MAX, last = INT32_MIN;
    estimate e = {.item = t->sales.sales[from].item};
    fbk__climate_fit fit;
    fbk_status rc;

    for (size_t i = from; i < to; i++) {
        uint32_t r = t->panel_row[t->sales.sales[i].row];

        if (r == UINT32_MAX)
            continue;
        y[r] = t->sales.sales[i].n;
        e.n_sold += t->sales.sales[i].n;
        first = t->day[r] < first ? t->day[r] : first;
        last = t->day[r] > last ? t->day[r] : last;
    }
    t->summary.n_items += e.n_sold > 0;
    rc = fbk__climate_fit_item(&t->panel, y, first, last, work, &fit);
    for (size_t i = from; i < to; i++) {
        uint32_t r = t->panel_row[t->sales.sales[i].row];

        if (r != UINT32_MAX)
            y[r] = 0.0;
    }
    if (rc < 0) /* too little sold, or no answer: it has none */
        return FBK_OK;
    memcpy(e.coef, fit.coef, sizeof e.coef);
    memcpy(e.variance, fit.variance, sizeof e.variance);
    if (!fbk__grow(t->a, &t->estimates, &t->estimate_cap, t->n_estimates + 1, sizeof *t->estimates))
        return fbk__nomem(t->db);
    t->estimates[t->n_estimates++] = e;
    return FBK_OK;
}

static fbk_status
items_fit(training *t)
{
    fbk__climate_work *work = fbk__climate_work_new(&t->panel, t->a);
    double *y = fbk__calloc(t->a, t->panel.n + 1, sizeof *y);
    size_t n = t->sales.n_sales, last_told = 0;
    fbk_status rc = work && y ? FBK_OK : fbk__nomem(t->db);

    for (size_t from = 0, to; rc >= 0 && from < n; from = to) {
        for (to = from; to < n && t->sales.sales[to].item == t->sales.sales[from].item;)
            to++;
        rc = item_fit(t, from, to, y, work);
        if (rc >= 0 && t->options->progress && t->summary.n_items - last_told >= 64) {
            last_told = t->summary.n_items;
            rc = fbk__callback_status(t->db, t->options->progress(t->options->user_data, to, n));
        }
    }
    t->summary.n_fitted = (uint32_t)t->n_estimates;
    fbk__climate_work_free(work, t->a);
    fbk__free(t->a, y);
    return rc;
}

/* ---- shrinkage ---- */

static fbk_status
priors_fit(training *t, const bool *ok)
{
    size_t n = t->n_estimates;
    double *coef = fbk__calloc(t->a, n + 1, sizeof *coef);
    double *variance = fbk__calloc(t->a, n + 1, sizeof *variance);

    if (!coef || !variance) {
        fbk__free(t->a, coef);
        fbk__free(t->a, variance);
        return fbk__nomem(t->db);
    }
    for (size_t k = 0; k < FBK__CLIMATE_N; k++) {
        for (size_t i = 0; i < n; i++) {
            if (!ok[k])
                t->estimates[i].variance[k] = (double)INFINITY;
            coef[i] = t->estimates[i].coef[k];
            variance[i] = t->estimates[i].variance[k];
        }
        fbk__climate_prior_fit(coef, variance, n, &t->prior[k]);
    }
    fbk__free(t->a, coef);
    fbk__free(t->a, variance);
    return FBK_OK;
}

/* What an estimate comes to: coefficients whose sign is in doubt are 0. */
static bool
item_of(const training *t, const estimate *e, fbk__climate_item *out)
{
    bool any = false;

    *out = (fbk__climate_item){.item = e->item, .n_sold = e->n_sold};
    for (size_t k = 0; k < FBK__CLIMATE_N; k++) {
        fbk__climate_belief belief;

        fbk__climate_believe(&t->prior[k], e->coef[k], e->variance[k], &belief);
        out->sign_prob[k] = belief.sign_prob;
        if (belief.sign_prob > SIGN_PROB) {
            out->coef[k] = belief.coef;
            any = true;
        }
    }
    return any;
}

static const estimate *
estimate_find(const training *t, uint32_t item)
{
    size_t lo = 0, hi = t->n_estimates;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (t->estimates[mid].item < item)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < t->n_estimates && t->estimates[lo].item == item ? &t->estimates[lo] : NULL;
}

/* Every item responds as its style does: sizes and colours get an entry of their own, so that
 * serving needs no catalogue. */
static fbk_status
responses_collect(training *t)
{
    for (uint32_t i = 1; i <= t->items->n; i++) {
        uint32_t style = fbk__climate_style(t->items, i);
        const estimate *e = estimate_find(t, style);
        fbk__climate_item item;

        if (!e || !item_of(t, e, &item))
            continue;
        t->summary.n_responding += style == i;
        item.item = i;
        if (!fbk__grow(t->a, &t->responding, &t->responding_cap, t->n_responding + 1,
                       sizeof *t->responding))
            return fbk__nomem(t->db);
        t->responding[t->n_responding++] = item;
    }
    return FBK_OK;
}

static fbk_status
responses_fit(training *t)
{
    bool ok[FBK__CLIMATE_N] = {false, false};
    fbk_status rc =
        fbk__climate_collect(t->db, t->as_of_us, t->places, t->items, t->options, &t->sales);

    if (rc >= 0)
        rc = panel_build(t);
    if (rc < 0)
        return rc;
    t->summary.n_events = t->sales.n_events;
    fbk__climate_estimable(&t->panel, ok);
    t->summary.flags |= (ok[FBK__CLIMATE_TEMP] ? FBK_CLIMATE_HAS_TEMPERATURE : 0u) |
                        (ok[FBK__CLIMATE_WET] ? FBK_CLIMATE_HAS_WET : 0u);
    if (!ok[FBK__CLIMATE_TEMP] && !ok[FBK__CLIMATE_WET])
        return FBK_OK;
    rc = items_fit(t);
    if (rc >= 0)
        rc = priors_fit(t, ok);
    if (rc >= 0)
        rc = responses_collect(t);
    return rc;
}

/* ---- saving ---- */

static fbk_status
model_save(training *t)
{
    static const char *const names[FBK__CLIMATE_N][2] = {{"warmer_share", "warmer_sd"},
                                                         {"wet_share", "wet_sd"}};
    fbk__model_head head = {.kind = "climate", .name = "default", .format = 1};
    fbk__model_value values[3 + 2 * FBK__CLIMATE_N];
    size_t n = 0;
    fbk__buf buf;
    fbk_status rc;

    head.as_of_us = t->as_of_us;
    head.from_event = t->sales.from_event;
    head.to_event = t->sales.to_event;
    head.n_events = t->sales.n_events;
    if (t->summary.flags & FBK_CLIMATE_PROVISIONAL)
        (void)strcpy(head.note, "a normal rests on less than three years of observations");
    fbk__model_value_set(&values[n++], FBK__MODEL_PARAMETER, "stations", t->summary.n_stations);
    fbk__model_value_set(&values[n++], FBK__MODEL_QUALITY, "items_fitted", t->summary.n_fitted);
    fbk__model_value_set(&values[n++], FBK__MODEL_QUALITY, "items_responding",
                         t->summary.n_responding);
    for (size_t k = 0; k < FBK__CLIMATE_N && t->n_estimates > 0; k++) {
        fbk__model_value_set(&values[n++], FBK__MODEL_PARAMETER, names[k][0], t->prior[k].share);
        fbk__model_value_set(&values[n++], FBK__MODEL_PARAMETER, names[k][1], t->prior[k].sd);
    }
    fbk__buf_init(&buf, t->a);
    fbk__climate_encode(&buf, t->summary.flags, t->normals, t->n_stations, t->responding,
                        t->n_responding);
    rc = buf.failed ? fbk__nomem(t->db)
                    : fbk__model_save(t->db, &head, values, n, buf.data, buf.len);
    fbk__buf_free(&buf);
    return rc;
}

static void
training_free(training *t)
{
    fbk__climate_sales_free(&t->sales);
    fbk__free(t->a, t->normals);
    fbk__free(t->a, t->panel_row);
    fbk__free(t->a, t->start);
    fbk__free(t->a, t->day);
    fbk__free(t->a, t->exposure);
    fbk__free(t->a, t->x);
    fbk__free(t->a, t->estimates);
    fbk__free(t->a, t->responding);
    fbk__places_release(t->places);
    fbk__items_release(t->items);
}

fbk_status
fbk_climate_train(fbk *db, fbk_time as_of_us, const fbk_climate_options *options,
                  fbk_climate_summary *out)
{
    fbk_climate_options opt;
    training t;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    rc = fbk__options_load(db, &opt, sizeof opt, OPTIONS_V1_SIZE, options);
    if (rc < 0)
        return rc;
    if (out && (out->struct_size < SUMMARY_V1_SIZE || out->struct_size > 4096))
        return fbk__fail(db, FBK_EABI, "struct_size of out fitted no version");
    if (opt.flags || opt.reserved0)
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "flags had unknown bits");
    if (opt.normal_years > 200)
        return fbk__fail_at(db, FBK_ERANGE, "normal_years", 0, "normal_years was outside [1, 200]");
    if (!fbk__time_valid(as_of_us))
        return fbk__fail_at(db, FBK_ERANGE, "as_of_us", 0,
                            "as_of_us was not an instant of the years 1 to 9999");
    memset(&t, 0, sizeof t);
    t.db = db;
    t.a = fbk__a(db);
    t.options = &opt;
    t.as_of_us = as_of_us;
    fbk__climate_sales_init(&t.sales, t.a);
    rc = fbk__places_acquire(db, &t.places);
    if (rc >= 0)
        rc = fbk__items_acquire(db, &t.items);
    if (rc >= 0)
        rc = normals_fit(&t);
    if (rc >= 0)
        rc = responses_fit(&t);
    if (rc >= 0)
        rc = model_save(&t);
    training_free(&t);
    if (rc >= 0 && out)
        rc = fbk__result_store(db, out, SUMMARY_V1_SIZE, &t.summary, sizeof t.summary);
    return rc;
}
