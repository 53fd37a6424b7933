/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/climate_math.h"

#include <math.h>
#include <string.h>

#include "base/time.h"

static const double TWO_PI = 6.283185307179586476925286766559;

enum { MAX_P = FBK__CLIMATE_MAX_P };

/* ---- a small symmetric solver: lower triangle, row-major, p * p ---- */

/* L L' = A in place. A pivot that keeps less than 1e-10 of its diagonal is linearly dependent:
 * false. */
static bool
cholesky(double *a, size_t p)
{
    for (size_t j = 0; j < p; j++) {
        double d = a[j * p + j], whole = d;

        for (size_t k = 0; k < j; k++)
            d -= a[j * p + k] * a[j * p + k];
        if (!(d > 1e-10 * whole) || !isfinite(d))
            return false;
        d = sqrt(d);
        a[j * p + j] = d;
        for (size_t i = j + 1; i < p; i++) {
            double s = a[i * p + j];

            for (size_t k = 0; k < j; k++)
                s -= a[i * p + k] * a[j * p + k];
            a[i * p + j] = s / d;
        }
    }
    return true;
}

static void
cholesky_solve(const double *l, size_t p, double *b)
{
    for (size_t i = 0; i < p; i++) {
        for (size_t k = 0; k < i; k++)
            b[i] -= l[i * p + k] * b[k];
        b[i] /= l[i * p + i];
    }
    for (size_t i = p; i-- > 0;) {
        for (size_t k = i + 1; k < p; k++)
            b[i] -= l[k * p + i] * b[k];
        b[i] /= l[i * p + i];
    }
}

/* ---- normals ---- */

size_t
fbk__climate_slot(int64_t day)
{
    fbk__civil date;

    fbk__civil_from_days(day, &date);
    return (size_t)(fbk__civil_days(2000, date.month, date.day) - fbk__civil_days(2000, 1, 1));
}

void
fbk__climate_sums_add(fbk__climate_sums *sums, const fbk__climate_day *day)
{
    size_t at = fbk__climate_slot(day->day);
    int64_t sign = day->sign < 0 ? -1 : 1;
    int32_t wet = day->wet;

    if (isfinite(day->celsius)) {
        int64_t milli = (int64_t)llround(day->celsius * 1000.0);

        sums->n_temp[at] += sign;
        sums->milli[at] += sign * milli;
        sums->milli_sq[at] += sign * milli * milli;
    }
    if (isfinite(day->mm)) {
        sums->n_precip[at] += sign;
        sums->micron[at] += sign * (int64_t)llround(day->mm * 1000.0);
        if (wet < 0)
            wet = day->mm >= FBK__CLIMATE_WET_MM;
    }
    if (wet >= 0) {
        sums->n_wet_known[at] += sign;
        sums->n_wet[at] += sign * (wet != 0);
    }
}

void
fbk__climate_sums_merge(fbk__climate_sums *into, const fbk__climate_sums *from)
{
    for (size_t i = 0; i < FBK__CLIMATE_SLOTS; i++) {
        into->n_temp[i] += from->n_temp[i];
        into->milli[i] += from->milli[i];
        into->milli_sq[i] += from->milli_sq[i];
        into->n_wet[i] += from->n_wet[i];
        into->n_wet_known[i] += from->n_wet_known[i];
        into->n_precip[i] += from->n_precip[i];
        into->micron[i] += from->micron[i];
    }
}

static void
harmonics(size_t slot, size_t n_coefs, double *out)
{
    double phase = TWO_PI * ((double)slot + 0.5) / FBK__CLIMATE_SLOTS;

    out[0] = 1.0;
    for (size_t k = 1; 2 * k < n_coefs; k++) {
        out[2 * k - 1] = cos(phase * (double)k);
        out[2 * k] = sin(phase * (double)k);
    }
}

/* Weighted least squares of a total a slot (sum of `n[slot]` values) on n_coefs harmonics. */
static bool
harmonic_fit(const int64_t *n, const double *totals, size_t n_coefs, double *out)
{
    double a[FBK__CLIMATE_COEFS * FBK__CLIMATE_COEFS] = {0}, b[FBK__CLIMATE_COEFS] = {0};

    for (size_t slot = 0; slot < FBK__CLIMATE_SLOTS; slot++) {
        double h[FBK__CLIMATE_COEFS];

        if (n[slot] <= 0)
            continue;
        harmonics(slot, n_coefs, h);
        for (size_t i = 0; i < n_coefs; i++) {
            b[i] += h[i] * totals[slot];
            for (size_t j = 0; j <= i; j++)
                a[i * n_coefs + j] += (double)n[slot] * h[i] * h[j];
        }
    }
    if (!cholesky(a, n_coefs))
        return false;
    cholesky_solve(a, n_coefs, b);
    memset(out, 0, sizeof(double) * FBK__CLIMATE_COEFS);
    memcpy(out, b, sizeof(double) * n_coefs);
    return true;
}

static double
series_at(const double *coefs, size_t slot)
{
    double h[FBK__CLIMATE_COEFS], sum = 0.0;

    harmonics(slot, FBK__CLIMATE_COEFS, h);
    for (size_t i = 0; i < FBK__CLIMATE_COEFS; i++)
        sum += coefs[i] * h[i];
    return sum;
}

static int64_t
count(const int64_t *n)
{
    int64_t sum = 0;

    for (size_t i = 0; i < FBK__CLIMATE_SLOTS; i++)
        sum += n[i];
    return sum;
}

/* Harmonics that the days can carry: none unless every twelfth of the year has a week of them. */
static size_t
harmonics_for(const int64_t *n, int64_t n_days)
{
    int64_t parts[12] = {0};

    for (size_t i = 0; i < FBK__CLIMATE_SLOTS; i++)
        parts[i * 12 / FBK__CLIMATE_SLOTS] += n[i];
    for (size_t i = 0; i < 12; i++) {
        if (parts[i] < 7)
            return 0;
    }
    return n_days >= FBK__CLIMATE_FIRM_DAYS ? 3 : 2;
}

/* Squared residuals a slot from the exact sums: sum (t - m)^2 = sum t^2 - 2 m sum t + n m^2. */
static bool
variance_fit(const fbk__climate_sums *sums, size_t n_harmonics, fbk__climate_normal *normal)
{
    double totals[FBK__CLIMATE_SLOTS], all = 0.0;
    double n = (double)normal->n_days, p = (double)(2 * n_harmonics + 1);
    size_t n_coefs = n_harmonics > 0 ? 2 * (n_harmonics - 1) + 1 : 1;

    for (size_t i = 0; i < FBK__CLIMATE_SLOTS; i++) {
        double m = series_at(normal->mean, i);

        totals[i] = (double)sums->milli_sq[i] * 1e-6 - 2.0 * m * (double)sums->milli[i] * 1e-3 +
                    m * m * (double)sums->n_temp[i];
        totals[i] = totals[i] > 0.0 ? totals[i] * n / (n - p) : 0.0;
        all += totals[i];
    }
    /* The series may dip where days are few; a quarter of the overall variance, and half a degree,
     * is the least that is believed. */
    normal->variance_floor = fmax(0.25 * all / n, 0.25);
    return harmonic_fit(sums->n_temp, totals, n_coefs, normal->variance);
}

fbk_status
fbk__climate_normal_fit(const fbk__climate_sums *sums, fbk__climate_normal *out)
{
    fbk__climate_normal normal = {0};
    double totals[FBK__CLIMATE_SLOTS];
    int64_t n_precip = count(sums->n_precip);
    size_t k;

    normal.n_days = count(sums->n_temp);
    normal.n_wet_days = count(sums->n_wet_known);
    if (normal.n_days < FBK__CLIMATE_MIN_DAYS)
        return FBK_ENODATA;
    k = harmonics_for(sums->n_temp, normal.n_days);
    normal.n_harmonics = (uint32_t)k;
    normal.provisional = normal.n_days < FBK__CLIMATE_FIRM_DAYS || k == 0;
    for (size_t i = 0; i < FBK__CLIMATE_SLOTS; i++)
        totals[i] = (double)sums->milli[i] * 1e-3;
    if (!harmonic_fit(sums->n_temp, totals, 2 * k + 1, normal.mean) ||
        !variance_fit(sums, k, &normal))
        return FBK_ENODATA;
    normal.wet[0] = NAN;
    if (normal.n_wet_days >= FBK__CLIMATE_MIN_DAYS) {
        k = harmonics_for(sums->n_wet_known, normal.n_wet_days);
        for (size_t i = 0; i < FBK__CLIMATE_SLOTS; i++)
            totals[i] = (double)sums->n_wet[i];
        if (!harmonic_fit(sums->n_wet_known, totals, k > 2 ? 5 : 2 * k + 1, normal.wet))
            return FBK_ENODATA;
    }
    normal.mm[0] = NAN;
    if (n_precip >= FBK__CLIMATE_MIN_DAYS) {
        k = harmonics_for(sums->n_precip, n_precip);
        for (size_t i = 0; i < FBK__CLIMATE_SLOTS; i++)
            totals[i] = (double)sums->micron[i] * 1e-3;
        if (!harmonic_fit(sums->n_precip, totals, k > 2 ? 5 : 2 * k + 1, normal.mm))
            return FBK_ENODATA;
    }
    *out = normal;
    return FBK_OK;
}

void
fbk__climate_usual_at(const fbk__climate_normal *normal, int64_t day, fbk__climate_usual *out)
{
    size_t slot = fbk__climate_slot(day);
    double wet = series_at(normal->wet, slot), mm = series_at(normal->mm, slot);

    out->celsius = series_at(normal->mean, slot);
    out->sd = sqrt(fmax(series_at(normal->variance, slot), normal->variance_floor));
    out->wet_prob = isnan(wet) ? wet : fmin(fmax(wet, 0.0), 1.0);
    out->mm = isnan(mm) ? mm : fmax(mm, 0.0);
}

double
fbk__climate_anomaly(const fbk__climate_usual *usual, double celsius)
{
    return (celsius - usual->celsius) / usual->sd;
}

/* ---- response ---- */

void
fbk__climate_controls(int64_t day, int64_t first_day, int64_t last_day, double *out)
{
    int32_t weekday = fbk__civil_weekday(day);
    double span = (double)(last_day - first_day), phase;
    fbk__civil date;

    for (int32_t w = 1; w <= 6; w++)
        *out++ = weekday == w ? 1.0 : 0.0;
    *out++ = span > 0.0 ? 2.0 * (double)(day - first_day) / span - 1.0 : 0.0;
    fbk__civil_from_days(day, &date);
    phase = TWO_PI * ((double)date.yearday - 0.5) / (fbk__civil_leap(date.year) ? 366.0 : 365.0);
    for (int k = 1; k <= 2; k++) {
        *out++ = cos(phase * k);
        *out++ = sin(phase * k);
    }
}

/* Cross products of the columns within strata, about the strata's means: lower triangle. */
static void
cross_products(const fbk__climate_panel *panel, double *a)
{
    size_t p = panel->p;

    memset(a, 0, p * p * sizeof *a);
    for (size_t s = 0; s < panel->n_strata; s++) {
        double mean[MAX_P] = {0}, n = (double)(panel->start[s + 1] - panel->start[s]);

        for (size_t r = panel->start[s]; r < panel->start[s + 1]; r++) {
            for (size_t i = 0; i < p; i++)
                mean[i] += panel->x[r * p + i] / n;
        }
        for (size_t r = panel->start[s]; r < panel->start[s + 1]; r++) {
            for (size_t i = 0; i < p; i++) {
                for (size_t j = 0; j <= i; j++)
                    a[i * p + j] +=
                        (panel->x[r * p + i] - mean[i]) * (panel->x[r * p + j] - mean[j]);
            }
        }
    }
}

void
fbk__climate_estimable(const fbk__climate_panel *panel, bool *out_ok)
{
    size_t p = panel->p, m = p - FBK__CLIMATE_N;
    double cross[MAX_P * MAX_P], c[MAX_P * MAX_P];
    int32_t first = INT32_MAX, last = INT32_MIN;
    bool enough;

    for (size_t r = 0; r < panel->n; r++) {
        first = panel->day[r] < first ? panel->day[r] : first;
        last = panel->day[r] > last ? panel->day[r] : last;
    }
    enough = panel->n >= 100 && last - first >= 180;
    cross_products(panel, cross);
    /* A control that never varies (a weekday on which the shop is shut) takes nothing away. */
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j <= i; j++)
            c[i * m + j] = cross[(i + FBK__CLIMATE_N) * p + j + FBK__CLIMATE_N];
        c[i * m + i] = c[i * m + i] * (1.0 + 1e-9) + 1e-9;
    }
    enough = cholesky(c, m) && enough;
    for (size_t w = 0; w < FBK__CLIMATE_N; w++) {
        double b[MAX_P], left = cross[w * p + w];

        out_ok[w] = false;
        if (!enough || !(left > 1e-6))
            continue;
        for (size_t i = 0; i < m; i++)
            b[i] = cross[(i + FBK__CLIMATE_N) * p + w];
        cholesky_solve(c, m, b);
        for (size_t i = 0; i < m; i++)
            left -= b[i] * cross[(i + FBK__CLIMATE_N) * p + w];
        out_ok[w] = left > 0.1 * cross[w * p + w];
    }
}

struct fbk__climate_work {
    double *mu;     /* a row */
    double *by_day; /* FBK__CLIMATE_N a day */
    int32_t first_day;
    size_t n_days;
};

fbk__climate_work *
fbk__climate_work_new(const fbk__climate_panel *panel, const fbk_allocator *a)
{
    fbk__climate_work *w = fbk__calloc(a, 1, sizeof *w);
    int32_t first = INT32_MAX, last = INT32_MIN;

    if (!w)
        return NULL;
    for (size_t r = 0; r < panel->n; r++) {
        first = panel->day[r] < first ? panel->day[r] : first;
        last = panel->day[r] > last ? panel->day[r] : last;
    }
    w->first_day = first;
    w->n_days = panel->n > 0 ? (size_t)((int64_t)last - first) + 1 : 0;
    w->mu = fbk__calloc(a, panel->n + 1, sizeof *w->mu);
    w->by_day = fbk__calloc(a, w->n_days + 1, FBK__CLIMATE_N * sizeof *w->by_day);
    if (!w->mu || !w->by_day) {
        fbk__climate_work_free(w, a);
        return NULL;
    }
    return w;
}

void
fbk__climate_work_free(fbk__climate_work *work, const fbk_allocator *a)
{
    if (!work)
        return;
    fbk__free(a, work->mu);
    fbk__free(a, work->by_day);
    fbk__free(a, work);
}

/* One item against the panel. */
typedef struct item_fit {
    const fbk__climate_panel *panel;
    const double *y;
    size_t lo, hi; /* rows of the stratum at hand that are in the item's life */
    int32_t from, to;
    double beta[MAX_P];
    double grad[MAX_P];
    double info[MAX_P * MAX_P]; /* lower triangle */
    double objective;
    fbk__climate_work *work;
} item_fit;

/* Priors: standard deviation 2 on the log scale for every coefficient. They decide only where the
 * data are silent (an item never sold on Mondays), and keep the problem well-posed. */
#define PRIOR_PRECISION 0.25

static double
life_of(item_fit *f, size_t stratum)
{
    const fbk__climate_panel *panel = f->panel;
    double total = 0.0;

    f->lo = panel->start[stratum];
    f->hi = panel->start[stratum + 1];
    while (f->lo < f->hi && panel->day[f->lo] < f->from)
        f->lo++;
    while (f->hi > f->lo && panel->day[f->hi - 1] > f->to)
        f->hi--;
    for (size_t r = f->lo; r < f->hi; r++)
        total += f->y[r];
    return total;
}

static double
linear(const item_fit *f, size_t row)
{
    const double *x = f->panel->x + row * f->panel->p;
    double eta = log(f->panel->exposure[row]);

    for (size_t i = 0; i < f->panel->p; i++)
        eta += f->beta[i] * x[i];
    return eta;
}

/* Expected counts of a stratum given its total; returns its part of the log-likelihood. */
static double
stratum_means(item_fit *f, double total)
{
    double *mu = f->work->mu;
    double top = -INFINITY, sum = 0.0, ll = 0.0;

    for (size_t r = f->lo; r < f->hi; r++) {
        mu[r] = linear(f, r);
        top = fmax(top, mu[r]);
    }
    for (size_t r = f->lo; r < f->hi; r++) {
        ll += f->y[r] * (mu[r] - top);
        mu[r] = exp(mu[r] - top);
        sum += mu[r];
    }
    for (size_t r = f->lo; r < f->hi; r++)
        mu[r] *= total / sum;
    return ll - total * log(sum);
}

/* Given the stratum's total Y the counts are multinomial: with the means mu (sum Y) and
 * m = sum mu x, the score is sum x (y - mu), the information sum mu x x' - m m' / Y. */
static void
stratum_add(item_fit *f, double total)
{
    size_t p = f->panel->p;
    double m[MAX_P] = {0};

    for (size_t r = f->lo; r < f->hi; r++) {
        const double *x = f->panel->x + r * p;
        double mu = f->work->mu[r], e = f->y[r] - mu;

        for (size_t i = 0; i < p; i++) {
            double wx = mu * x[i];

            f->grad[i] += e * x[i];
            m[i] += wx;
            if (x[i] == 0.0) /* most weekday columns */
                continue;
            for (size_t j = 0; j <= i; j++)
                f->info[i * p + j] += wx * x[j];
        }
    }
    for (size_t i = 0; i < p; i++) {
        for (size_t j = 0; j <= i; j++)
            f->info[i * p + j] -= m[i] * m[j] / total;
    }
}

static void
evaluate(item_fit *f)
{
    size_t p = f->panel->p;

    memset(f->info, 0, p * p * sizeof *f->info);
    f->objective = 0.0;
    for (size_t i = 0; i < p; i++) {
        f->grad[i] = -PRIOR_PRECISION * f->beta[i];
        f->info[i * p + i] = PRIOR_PRECISION;
        f->objective -= 0.5 * PRIOR_PRECISION * f->beta[i] * f->beta[i];
    }
    for (size_t s = 0; s < f->panel->n_strata; s++) {
        double total = life_of(f, s);

        if (total <= 0.0)
            continue;
        f->objective += stratum_means(f, total);
        stratum_add(f, total);
    }
}

/* Newton's method, halving the step while the objective falls. On success info holds its Cholesky
 * factor at the optimum. */
static fbk_status
maximise(item_fit *f)
{
    size_t p = f->panel->p;

    evaluate(f);
    for (int iteration = 0; iteration < 50; iteration++) {
        double step[MAX_P], old[MAX_P], before = f->objective, decrement = 0.0;
        double scale = 1.0;

        if (!cholesky(f->info, p))
            return FBK_ENOCONV;
        memcpy(step, f->grad, p * sizeof *step);
        memcpy(old, f->beta, p * sizeof *old);
        cholesky_solve(f->info, p, step);
        for (size_t i = 0; i < p; i++)
            decrement += step[i] * f->grad[i];
        if (!isfinite(decrement))
            return FBK_ENOCONV;
        if (decrement < 1e-8)
            return FBK_OK;
        for (int half = 0; half < 30; half++, scale *= 0.5) {
            for (size_t i = 0; i < p; i++)
                f->beta[i] = old[i] + scale * step[i];
            evaluate(f);
            if (f->objective >= before - 1e-10 * fabs(before))
                break;
        }
    }
    return FBK_ENOCONV;
}

/* What the item's life holds. */
typedef struct life {
    double sold;
    double days; /* rows with sales */
    double rows;
    double strata;
} life;

static life
life_count(item_fit *f)
{
    life l = {0};

    for (size_t s = 0; s < f->panel->n_strata; s++) {
        double total = life_of(f, s);

        if (total <= 0.0)
            continue;
        l.sold += total;
        l.rows += (double)(f->hi - f->lo);
        l.strata += 1.0;
        for (size_t r = f->lo; r < f->hi; r++)
            l.days += f->y[r] > 0.0;
    }
    return l;
}

/* Influence of each day on the weather coefficients, and Pearson's sum. */
static double
influences(item_fit *f, double inverse[FBK__CLIMATE_N][MAX_P])
{
    const fbk__climate_panel *panel = f->panel;
    double pearson = 0.0, *by_day = f->work->by_day;
    size_t p = panel->p;

    memset(by_day, 0, f->work->n_days * FBK__CLIMATE_N * sizeof *by_day);
    for (size_t s = 0; s < panel->n_strata; s++) {
        double total = life_of(f, s), mean[FBK__CLIMATE_N] = {0};

        if (total <= 0.0)
            continue;
        for (int pass = 0; pass < 2; pass++) {
            for (size_t r = f->lo; r < f->hi; r++) {
                double mu = f->work->mu[r], e = f->y[r] - mu;
                size_t d = (size_t)((int64_t)panel->day[r] - f->work->first_day) * FBK__CLIMATE_N;

                for (size_t k = 0; k < FBK__CLIMATE_N; k++) {
                    double ax = 0.0;

                    for (size_t i = 0; i < p; i++)
                        ax += inverse[k][i] * panel->x[r * p + i];
                    if (pass == 0)
                        mean[k] += mu * ax / total;
                    else
                        by_day[d + k] += (ax - mean[k]) * e;
                }
                if (pass == 1 && mu > 0.0)
                    pearson += e * e / mu;
            }
        }
    }
    return pearson;
}

/* Long-run variance of a series of days, Bartlett weights. */
static double
long_run(const double *by_day, size_t n_days, size_t column)
{
    enum { LAGS = 10 };
    double sum = 0.0;

    for (size_t lag = 0; lag <= LAGS; lag++) {
        double weight = (lag ? 2.0 : 1.0) * (1.0 - (double)lag / (LAGS + 1.0));

        for (size_t d = lag; d < n_days; d++)
            sum += weight * by_day[d * FBK__CLIMATE_N + column] *
                   by_day[(d - lag) * FBK__CLIMATE_N + column];
    }
    return sum;
}

fbk_status
fbk__climate_fit_item(const fbk__climate_panel *panel, const double *y, int32_t from, int32_t to,
                      fbk__climate_work *work, fbk__climate_fit *out)
{
    item_fit f = {.panel = panel, .y = y, .from = from, .to = to, .work = work};
    double inverse[FBK__CLIMATE_N][MAX_P] = {{0}}, freedom;
    fbk__climate_fit fit;
    fbk_status rc;
    life l;

    l = life_count(&f);
    freedom = l.rows - l.strata - (double)panel->p;
    if (l.sold < 20.0 || l.days < 15.0 || l.rows < 60.0 || freedom < 30.0)
        return FBK_ENODATA;
    rc = maximise(&f);
    if (rc < 0)
        return rc;
    for (size_t k = 0; k < FBK__CLIMATE_N; k++) {
        inverse[k][k] = 1.0;
        cholesky_solve(f.info, panel->p, inverse[k]);
    }
    fit.dispersion = fmax(influences(&f, inverse) / freedom, 1.0);
    for (size_t k = 0; k < FBK__CLIMATE_N; k++) {
        double robust = long_run(work->by_day, work->n_days, k) * l.rows / freedom;

        fit.coef[k] = f.beta[k];
        fit.variance[k] = fmax(fit.dispersion * inverse[k][k], robust);
        if (!(fit.variance[k] < 0.5)) /* the prior, not the data, is speaking */
            fit.variance[k] = INFINITY;
    }
    *out = fit;
    return FBK_OK;
}

/* ---- shrinkage over items ---- */

/* Probability that an item responds, given its estimate; the odds are those of two normals. */
static double
responds(const fbk__climate_prior *prior, double coef, double variance)
{
    double wide = variance + prior->sd * prior->sd;
    double log_odds = log(prior->share / (1.0 - prior->share)) + 0.5 * log(variance / wide) +
                      0.5 * coef * coef * (1.0 / variance - 1.0 / wide);

    return 1.0 / (1.0 + exp(-log_odds));
}

void
fbk__climate_prior_fit(const double *coef, const double *variance, size_t n,
                       fbk__climate_prior *out)
{
    /* Hyperprior: as if 10 items had been seen, two of which respond, and 2 responses of .15. */
    const double items = 10.0, items_responding = 2.0, responses = 2.0, sd0 = 0.15;
    fbk__climate_prior prior = {items_responding / items, sd0};

    for (int iteration = 0; iteration < 500; iteration++) {
        double number = 0.0, respond = 0.0, squares = 0.0, share, sd;

        for (size_t i = 0; i < n; i++) {
            double p, kept;

            if (!isfinite(variance[i]) || !(variance[i] > 0.0))
                continue;
            p = responds(&prior, coef[i], variance[i]);
            kept = prior.sd * prior.sd / (prior.sd * prior.sd + variance[i]);
            number += 1.0;
            respond += p;
            squares += p * (kept * kept * coef[i] * coef[i] + kept * variance[i]);
        }
        share = (respond + items_responding) / (number + items);
        sd = sqrt((squares + responses * sd0 * sd0) / (respond + responses));
        share = fmin(fmax(share, 1e-4), 0.95);
        sd = fmin(fmax(sd, 0.02), 2.0);
        number = fabs(share - prior.share) + fabs(sd - prior.sd);
        prior = (fbk__climate_prior){share, sd};
        if (number < 1e-9)
            break;
    }
    *out = prior;
}

void
fbk__climate_believe(const fbk__climate_prior *prior, double coef, double variance,
                     fbk__climate_belief *out)
{
    double kept, p, mean, sd;

    if (!isfinite(variance) || !(variance > 0.0)) {
        *out = (fbk__climate_belief){0.0, prior->share * 0.5};
        return;
    }
    p = responds(prior, coef, variance);
    kept = prior->sd * prior->sd / (prior->sd * prior->sd + variance);
    mean = kept * coef;
    sd = sqrt(kept * variance);
    out->coef = p * mean;
    out->sign_prob = p * 0.5 * erfc(-fabs(mean) / sd * 0.70710678118654752440);
}
