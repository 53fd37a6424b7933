/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/clv_math.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/optim.h"
#include "base/sort.h"
#include "base/special.h"

/* Bounds of the logarithms of the parameters. Beyond, the likelihood is flat and rounding rules: at
 * e^10 r and p say that people differ by less than 1 %, a and b likewise. The one parameter
 * with a unit (alpha, gamma) is bounded around that unit. */
#define LOG_LOW -16.0
#define LOG_HIGH 10.0
#define LOG_SPAN 16.0
#define RATIO_IDENTIFIED 1e-6 /* a / (a + b) */
#define GAIN_IDENTIFIED 2.0   /* log-likelihood over NBD */
#define RATE_FACTOR 10.0      /* forecasts against the largest observation */
/* Expected purchases, and horizon over age, up to which the sum over counts is short. */
#define SUM_EXPECTED 200.0
#define SUM_HORIZON 30.0

enum {
    GAP_SUMMED = 24,
    SAMPLE_FROM = 8192, /* rows; from here on the starts run on a sample of … */
    SAMPLE_ROWS = 4096  /* … about so many */
};

/* One key of the three at a time, the last first: the sort is stable. */
static bool
collapse_sort(const fbk_allocator *a, const fbk__clv_row *rows, fbk__sort_item *items, size_t n)
{
    for (int field = 2; field >= 0; field--) {
        for (size_t i = 0; i < n; i++) {
            const fbk__clv_row *row = &rows[items[i].row];
            double v = field == 0 ? row->x : field == 1 ? row->t_x : row->t;

            items[i].key = fbk__sort_key_double(v);
        }
        if (!fbk__sort_items(a, items, n))
            return false;
    }
    return true;
}

fbk_status
fbk__clv_collapse(const fbk_allocator *a, fbk__clv_row *rows, size_t *n)
{
    fbk__sort_item *items = NULL;
    fbk__clv_row *sorted = NULL;
    size_t kept = 0;
    fbk_status rc = FBK_ENOMEM;

    if (*n > UINT32_MAX)
        return FBK_ETOOBIG;
    items = fbk__calloc(a, *n, sizeof *items);
    sorted = fbk__calloc(a, *n, sizeof *sorted);
    if (!items || !sorted)
        goto out;
    for (size_t i = 0; i < *n; i++)
        items[i].row = (uint32_t)i;
    if (!collapse_sort(a, rows, items, *n))
        goto out;
    for (size_t i = 0; i < *n; i++) {
        const fbk__clv_row *row = &rows[items[i].row];
        fbk__clv_row *last = kept ? &sorted[kept - 1] : NULL;

        if (last && last->x == row->x && last->t_x == row->t_x && last->t == row->t)
            last->weight += row->weight;
        else
            sorted[kept++] = *row;
    }
    memcpy(rows, sorted, kept * sizeof *rows);
    *n = kept;
    rc = FBK_OK;
out:
    fbk__free(a, sorted);
    fbk__free(a, items);
    return rc;
}

/* log Gamma(v + x) - log Gamma(v) and its derivative in v, for x that climb: the next is summed
 * from the one before where the step is small. */
typedef struct rising {
    double v;
    double x;
    double log;
    double psi;
} rising;

static void
rising_to(rising *s, double x)
{
    if (x < s->x || x - s->x > GAP_SUMMED) {
        s->log = fbk__lgamma_diff(s->v, x);
        s->psi = x > 0.0 ? fbk__digamma(s->v + x) - fbk__digamma(s->v) : 0.0;
        s->x = x;
        return;
    }
    for (; s->x < x; s->x += 1.0) {
        s->log += log(s->v + s->x);
        s->psi += 1.0 / (s->v + s->x);
    }
}

/* What a row adds for the purchases alone: log of Gamma(r+x)/Gamma(r) alpha^r (alpha+T)^-(r+x).
 * The factor T^x / x! of the count is left out: the data are the times, as in BG/NBD's paper. */
double
fbk__clv_nbd_loglik(const double params[2], const fbk__clv_row *rows, size_t n, double *grad)
{
    double r = params[0];
    double alpha = params[1];
    double log_alpha = log(alpha);
    rising rise = {.v = r};
    double sum = 0.0;
    double g[2] = {0.0, 0.0};

    for (size_t i = 0; i < n; i++) {
        const fbk__clv_row *row = &rows[i];
        double grown =
            log1p(row->t / alpha); /* log(alpha + T) - log alpha, exact for large alpha */

        rising_to(&rise, row->x);
        sum += row->weight * (rise.log - row->x * log_alpha - (r + row->x) * grown);
        g[0] += row->weight * (rise.psi - grown);
        g[1] += row->weight * (r * row->t / alpha - row->x) / (alpha + row->t);
    }
    if (grad)
        memcpy(grad, g, sizeof g);
    return sum;
}

/* Fader, Hardie, Lee (2005), eq. (6). With B(a+1, b+x-1) / B(a, b+x) = a / (b+x-1) the likelihood
 * is NBD's, times B(a, b+x) / B(a, b), times 1 + e^l where
 *     l = log a - log(b+x-1) + (r+x) (log(alpha+T) - log(alpha+t_x))
 * are the log-odds of having dropped out (x > 0). With s = e^l / (1 + e^l):
 *     d/dr     psi(r+x) - psi(r) + log alpha - log(alpha+T) + s (log(alpha+T) - log(alpha+t_x))
 *     d/dalpha r/alpha - (r+x)/(alpha+T) + s (r+x) (1/(alpha+T) - 1/(alpha+t_x))
 *     d/da     psi(a+b) - psi(a+b+x) + s/a
 *     d/db     psi(b+x) - psi(b) + psi(a+b) - psi(a+b+x) - s/(b+x-1) */
double
fbk__clv_bgnbd_loglik(const double params[4], const fbk__clv_row *rows, size_t n, double *grad)
{
    double r = params[0];
    double alpha = params[1];
    double a = params[2];
    double b = params[3];
    double log_alpha = log(alpha);
    rising rise = {.v = r};
    rising rise_b = {.v = b};
    rising rise_ab = {.v = a + b};
    double sum = 0.0;
    double g[4] = {0.0, 0.0, 0.0, 0.0};

    for (size_t i = 0; i < n; i++) {
        const fbk__clv_row *row = &rows[i];
        double w = row->weight;
        double grown = log1p(row->t / alpha);
        double ll;

        rising_to(&rise, row->x);
        ll = rise.log - row->x * log_alpha - (r + row->x) * grown;
        g[0] += w * (rise.psi - grown);
        g[1] += w * (r * row->t / alpha - row->x) / (alpha + row->t);
        if (row->x > 0.0) {
            double idle = log1p((row->t - row->t_x) / (alpha + row->t_x));
            double rx = r + row->x;
            double odds = log(a / (b + row->x - 1.0)) + rx * idle;
            double dead = 1.0 / (1.0 + exp(-odds));

            rising_to(&rise_b, row->x);
            rising_to(&rise_ab, row->x);
            ll += rise_b.log - rise_ab.log + fbk__log1pexp(odds);
            g[0] += w * dead * idle;
            g[1] += w * dead * rx * (1.0 / (alpha + row->t) - 1.0 / (alpha + row->t_x));
            g[2] += w * (dead / a - rise_ab.psi);
            g[3] += w * (rise_b.psi - rise_ab.psi - dead / (b + row->x - 1.0));
        }
        sum += w * ll;
    }
    if (grad)
        memcpy(grad, g, sizeof g);
    return sum;
}

/* The minimiser's view: the mean of -log-likelihood in the logarithms of the parameters. */
typedef struct fit {
    const void *rows;
    size_t size; /* of a row, bytes */
    size_t n;
    double weight;
    size_t n_params;
    double (*loglik)(const double *params, const void *rows, size_t n, double *grad);
} fit;

static double
fit_bgnbd(const double *params, const void *rows, size_t n, double *grad)
{
    return fbk__clv_bgnbd_loglik(params, rows, n, grad);
}

static double
fit_nbd(const double *params, const void *rows, size_t n, double *grad)
{
    return fbk__clv_nbd_loglik(params, rows, n, grad);
}

static double
fit_spend(const double *params, const void *rows, size_t n, double *grad)
{
    return fbk__spend_loglik(params, rows, n, grad);
}

static fbk_status
fit_value(void *ctx, const double *x, double *out_value, double *grad)
{
    const fit *f = ctx;
    double params[4];

    for (size_t i = 0; i < f->n_params; i++)
        params[i] = exp(x[i]);
    *out_value = -f->loglik(params, f->rows, f->n, grad) / f->weight;
    for (size_t i = 0; grad && i < f->n_params; i++)
        grad[i] *= -params[i] / f->weight;
    return FBK_OK;
}

/* The starts, run on every k-th row: the optimum there is a good start for all rows, and the only
 * one. *out_ok says whether it is better than the first of the starts. */
static fbk_status
fit_sample(const fbk_allocator *a, const fbk__optim *p, const double *starts, size_t n_starts,
           double *x, bool *out_ok)
{
    const fit *all = p->ctx;
    size_t step = all->n / SAMPLE_ROWS;
    fit f = *all;
    fbk__optim sub = *p;
    fbk__optim_result result;
    double at_start = INFINITY;
    double at_x = INFINITY;
    unsigned char *rows = fbk__calloc(a, all->n / step + 1, all->size);
    fbk_status rc;

    if (!rows)
        return FBK_ENOMEM;
    f.n = 0;
    for (size_t i = step / 2; i < all->n; i += step) {
        memcpy(rows + f.n * f.size, (const unsigned char *)all->rows + i * f.size, f.size);
        f.n++;
    }
    f.rows = rows;
    f.weight = all->weight * (double)f.n / (double)all->n;
    sub.ctx = &f;
    rc = fbk__optim_minimise(a, &sub, starts, n_starts, x, &result);
    if (rc >= 0)
        rc = fit_value(p->ctx, starts, &at_start, NULL);
    if (rc >= 0)
        rc = fit_value(p->ctx, x, &at_x, NULL);
    *out_ok = at_x < at_start;
    fbk__free(a, rows);
    return rc;
}

/* @param unit   logarithm of the scale of the parameter with a unit, number `which`.
 * @param starts n_starts points in logarithms.
 * @param params out: the best point, as parameters. */
static fbk_status
fit_run(const fbk_allocator *a, fit *f, double unit, size_t which, const double *starts,
        size_t n_starts, uint32_t max_evals, double *params, fbk__optim_result *result)
{
    double lower[4];
    double upper[4];
    double sampled[4];
    fbk__optim p = {fit_value, f, f->n_params, lower, upper, 1e-9, max_evals};
    bool ok = false;
    fbk_status rc = FBK_OK;

    for (size_t i = 0; i < f->n_params; i++) {
        lower[i] = i == which ? unit - LOG_SPAN : LOG_LOW;
        upper[i] = i == which ? unit + LOG_SPAN : LOG_HIGH;
    }
    if (f->n >= SAMPLE_FROM)
        rc = fit_sample(a, &p, starts, n_starts, sampled, &ok);
    if (rc >= 0)
        rc = fbk__optim_minimise(a, &p, ok ? sampled : starts, ok ? 1 : n_starts, params, result);
    for (size_t i = 0; rc >= 0 && i < f->n_params; i++)
        params[i] = exp(params[i]);
    return rc;
}

static void
clv_totals(const fbk__clv_row *rows, size_t n, fbk__clv_params *out, double *out_age)
{
    memset(out, 0, sizeof *out);
    *out_age = 0.0;
    for (size_t i = 0; i < n; i++) {
        out->n_customers += rows[i].weight;
        out->n_repeats += rows[i].weight * rows[i].x;
        *out_age += rows[i].weight * rows[i].t;
        if (rows[i].t > 0.0)
            out->rate_max = fmax(out->rate_max, rows[i].x / rows[i].t);
    }
}

/* NBD from r of .3 and 3; then BG/NBD from the better, with dropout rare, usual and frequent. */
static fbk_status
clv_fit_both(const fbk_allocator *a, const fbk__clv_row *rows, size_t n, double age,
             uint32_t max_evals, fbk__clv_params *m)
{
    double rate = log(m->n_repeats / age);
    double unit = log(age / m->n_customers);
    double nbd_starts[] = {log(0.3), log(0.3) - rate, log(3.0), log(3.0) - rate};
    double starts[12];
    double nbd[2];
    double full[4];
    fit f = {rows, sizeof *rows, n, m->n_customers, 2, fit_nbd};
    fbk__optim_result at_nbd;
    fbk__optim_result at_full;
    fbk_status rc;

    rc = fit_run(a, &f, unit, 1, nbd_starts, 2, max_evals, nbd, &at_nbd);
    if (rc < 0)
        return rc;
    for (size_t k = 0; k < 3; k++) {
        static const double drop[3][2] = {{0.5, 2.0}, {0.1, 5.0}, {1.0, 0.7}};
        double *start = starts + 4 * k;

        start[0] = log(nbd[0]);
        start[1] = log(nbd[1]);
        start[2] = log(drop[k][0]);
        start[3] = log(drop[k][1]);
    }
    f = (fit){rows, sizeof *rows, n, m->n_customers, 4, fit_bgnbd};
    rc = fit_run(a, &f, unit, 1, starts, 3, max_evals, full, &at_full);
    if (rc < 0)
        return rc;
    m->n_evals = at_nbd.n_evals + at_full.n_evals;
    m->loglik_nbd = -at_nbd.value * m->n_customers;
    m->loglik = -at_full.value * m->n_customers;
    if (!(m->loglik - m->loglik_nbd >= GAIN_IDENTIFIED) ||
        full[2] < RATIO_IDENTIFIED * (full[2] + full[3])) {
        m->status = FBK__CLV_NO_DROPOUT;
        m->loglik = m->loglik_nbd;
        m->r = nbd[0];
        m->alpha = nbd[1];
        return at_nbd.converged ? FBK_OK : FBK_ENOCONV;
    }
    m->r = full[0];
    m->alpha = full[1];
    m->a = full[2];
    m->b = full[3];
    return at_full.converged ? FBK_OK : FBK_ENOCONV;
}

fbk_status
fbk__clv_fit(const fbk_allocator *a, const fbk__clv_row *rows, size_t n, uint32_t max_evals,
             fbk__clv_params *out)
{
    fbk__clv_params m;
    double age;
    fbk_status rc;

    clv_totals(rows, n, &m, &age);
    if (!(m.n_customers > 0.0))
        return FBK_ENODATA;
    if (!(m.n_repeats > 0.0) || !(age > 0.0)) {
        m.status = FBK__CLV_NO_REPEAT;
        *out = m;
        return FBK_OK;
    }
    rc = clv_fit_both(a, rows, n, age, max_evals, &m);
    if (rc >= 0 || rc == FBK_ENOCONV)
        *out = m;
    return rc;
}

/* Eq. of note 21 (Fader, Hardie, Lee): the log-odds of the likelihood's two parts. */
double
fbk__clv_alive(const fbk__clv_params *m, double x, double t_x, double t)
{
    double odds;

    if (m->status != FBK__CLV_FULL || !(x > 0.0))
        return 1.0;
    odds = log(m->a / (m->b + x - 1.0)) + (m->r + x) * log1p((t - t_x) / (m->alpha + t_x));
    return 1.0 / (1.0 + exp(odds));
}

/* The expectation given alive is E[(1 - exp(-lambda p h)) / p], lambda ~ Gamma(A, alpha + T) with
 * A = r + x and p ~ Beta(a, b + x). Two forms with positive terms only replace eq. (10)'s
 * 1 - 2F1, which cancels, and divides by a - 1:
 *
 * 1. Over the number k of purchases that would be made without dropout, negative binomial with
 *    z = h / (alpha + T + h): sum of P(k) G_k, G_k = sum over j < k of E[(1-p)^j], and
 *    E[(1-p)^j] = (b+x)_j / (a+b+x)_j. */
static double
forecast_sum(double shape, double a, double b, double z, double log_p0)
{
    double pmf = exp(log_p0);
    double survive = 1.0; /* E[(1-p)^j] */
    double given = 0.0;   /* G_k */
    double sum = 0.0;

    for (int k = 0; k < 100000; k++) {
        double ratio = z * (shape + k) / (k + 1.0);
        double tail = ratio > z ? ratio : z;

        sum += pmf * given;
        pmf *= ratio;
        given += survive;
        survive *= (b + k) / (a + b + k);
        /* Terms to come grow at most by (k + 2) / (k + 1) over the tail's ratio. */
        tail *= (k + 2.0) / (k + 1.0);
        if (tail < 1.0 && pmf * given * tail / (1.0 - tail) < 1e-15 * sum)
            break;
    }
    return sum + pmf * given;
}

/* 2. E over p of (1 - (1 + y p)^-A) / p with y = h / (alpha + T), by quadrature in logit p. */
typedef struct forecast {
    double shape, a, b, y;
} forecast;

static double
forecast_integrand(double s, const void *ctx)
{
    const forecast *f = ctx;
    double log_p = -fbk__log1pexp(-s);
    double log_q = -fbk__log1pexp(s);
    double bought = -expm1(-f->shape * log1p(f->y * exp(log_p)));

    if (bought < DBL_MIN) /* p tiny: 1 - (1 + y p)^-A is A y p */
        return f->a * log_p + f->b * log_q + log(f->shape * f->y);
    return (f->a - 1.0) * log_p + f->b * log_q + log(bought);
}

static double
forecast_integral(double shape, double a, double b, double y)
{
    forecast f = {shape, a, b, y};
    double width = sqrt((a + b) / (a * b)); /* of logit p */

    return exp(fbk__log_integral(forecast_integrand, &f, log(a / b), fmin(width, 1.0)) -
               fbk__lbeta(a, b));
}

/* Expected purchases in `horizon` of a customer who is alive. */
static double
forecast_alive(const fbk__clv_params *m, double x, double t, double horizon)
{
    double y = horizon / (m->alpha + t);
    double shape = m->r + x;

    if (m->status != FBK__CLV_FULL)
        return shape * y;
    if (shape * y > SUM_EXPECTED || y > SUM_HORIZON)
        return forecast_integral(shape, m->a, m->b + x, y);
    return forecast_sum(shape, m->a, m->b + x, y / (1.0 + y), -shape * log1p(y));
}

double
fbk__clv_expected(const fbk__clv_params *m, double x, double t_x, double t, double horizon)
{
    double expected;

    if (m->status == FBK__CLV_NO_REPEAT || !(horizon > 0.0))
        return 0.0;
    expected = fbk__clv_alive(m, x, t_x, t) * forecast_alive(m, x, t, horizon);
    return fmin(expected, RATE_FACTOR * m->rate_max * horizon);
}

double
fbk__clv_mean(const fbk__clv_params *m, double t)
{
    return fbk__clv_expected(m, 0.0, 0.0, 0.0, t);
}

/* Eq. (8): either k purchases and still alive, B(a, b+k) / B(a, b) = (b)_k / (a+b)_k times the
 * negative binomial; or dropped out at the k-th, when at least k would have been made: its upper
 * tail is an incomplete beta function. */
double
fbk__clv_pmf(const fbk__clv_params *m, double t, uint32_t k)
{
    double z = t / (m->alpha + t);
    double zc = m->alpha / (m->alpha + t);
    double n = k;
    double nbd;
    double alive;
    double dropped;

    if (m->status == FBK__CLV_NO_REPEAT || !(t > 0.0))
        return k == 0 ? 1.0 : 0.0;
    nbd = exp(fbk__lgamma_diff(m->r, n) - fbk__lgamma(n + 1.0) + m->r * log(zc) +
              (k ? n * log(z) : 0.0));
    if (m->status == FBK__CLV_NO_DROPOUT || k == 0)
        return nbd;
    alive = fbk__lgamma_diff(m->b, n) - fbk__lgamma_diff(m->a + m->b, n);
    dropped = alive + log(m->a / (m->b + n - 1.0));
    return exp(alive) * nbd + exp(dropped) * fbk__ibeta(n, m->r, z, zc);
}

/* By parts, the sum of discounted purchases is e^(-d h) E(h) + d * integral of e^(-d u) E(u); the
 * integral by Gauss and Legendre with eight points, all weights positive. */
double
fbk__clv_discounted(const fbk__clv_params *m, double x, double t_x, double t, double horizon,
                    double rate)
{
    static const double node[4] = {0.18343464249564980494, 0.52553240991632898582,
                                   0.79666647741362673959, 0.96028985649753623168};
    static const double weight[4] = {0.36268378337836198297, 0.31370664587788728734,
                                     0.22238103445337447054, 0.10122853629037625915};
    double sum = 0.0;

    if (!(rate > 0.0))
        return fbk__clv_expected(m, x, t_x, t, horizon);
    for (int i = 0; i < 8; i++) {
        double u = 0.5 * horizon * (1.0 + (i < 4 ? node[i] : -node[i - 4]));

        sum += weight[i % 4] * exp(-rate * u) * fbk__clv_expected(m, x, t_x, t, u);
    }
    return exp(-rate * horizon) * fbk__clv_expected(m, x, t_x, t, horizon) +
           0.5 * horizon * rate * sum;
}

/* Fader, Hardie (2013), eq. (1a), the density of a mean z of x orders:
 *     z^(px-1) x^(px) gamma^q / (B(px, q) (gamma + x z)^(px+q)) */
double
fbk__spend_loglik(const double params[3], const fbk__spend_row *rows, size_t n, double *grad)
{
    double p = params[0];
    double q = params[1];
    double gamma = params[2];
    double log_gamma = log(gamma);
    double psi_q = fbk__digamma(q);
    double sum = 0.0;
    double g[3] = {0.0, 0.0, 0.0};

    for (size_t i = 0; i < n; i++) {
        double w = rows[i].weight;
        double x = rows[i].x;
        double total = x * rows[i].mean;
        double px = p * x;
        double psi_sum = fbk__digamma(px + q);
        double log_sum = log(gamma + total);
        double log_total = log(total);

        sum += w * (px * (log_total - log_sum) + q * (log_gamma - log_sum) - log(rows[i].mean) -
                    fbk__lbeta(px, q));
        g[0] += w * x * (psi_sum - fbk__digamma(px) + log_total - log_sum);
        g[1] += w * (psi_sum - psi_q + log_gamma - log_sum);
        g[2] += w * (q / gamma - (px + q) / (gamma + total));
    }
    if (grad)
        memcpy(grad, g, sizeof g);
    return sum;
}

/* Starts: gamma such that a new customer is expected to spend the mean, p gamma / (q - 1). */
fbk_status
fbk__spend_fit(const fbk_allocator *a, const fbk__spend_row *rows, size_t n, uint32_t max_evals,
               fbk__spend_params *out)
{
    fit f = {rows, sizeof *rows, n, 0.0, 3, fit_spend};
    fbk__spend_params m = {0};
    fbk__optim_result at;
    double starts[9];
    double params[3];
    fbk_status rc;

    for (size_t i = 0; i < n; i++) {
        m.n_customers += rows[i].weight;
        m.mean += rows[i].weight * rows[i].mean;
        m.mean_max = fmax(m.mean_max, rows[i].mean);
    }
    if (!(m.n_customers > 0.0))
        return FBK_ENODATA;
    m.mean /= m.n_customers;
    f.weight = m.n_customers;
    for (size_t k = 0; k < 3; k++) {
        static const double shape[3][2] = {{2.0, 3.0}, {10.0, 3.0}, {1.0, 1.5}};

        starts[3 * k] = log(shape[k][0]);
        starts[3 * k + 1] = log(shape[k][1]);
        starts[3 * k + 2] = log(m.mean * (shape[k][1] - 1.0) / shape[k][0]);
    }
    rc = fit_run(a, &f, log(m.mean), 2, starts, 3, max_evals, params, &at);
    if (rc < 0)
        return rc;
    m.p = params[0];
    m.q = params[1];
    m.gamma = params[2];
    m.loglik = -at.value * m.n_customers;
    m.n_evals = at.n_evals;
    *out = m;
    return at.converged ? FBK_OK : FBK_ENOCONV;
}

/* p (gamma + x z) / (p x + q - 1), a weighted mean of the customer's own z and the population's
 * p gamma / (q - 1). The latter is infinite for q <= 1: then the observed mean, and the largest one
 * as a ceiling. */
double
fbk__spend_expected(const fbk__spend_params *m, double x, double mean)
{
    double below = m->p * x + m->q - 1.0;
    double ceiling = x > 0.0 ? fmax(m->mean_max, mean) : m->mean_max;

    if (!(below > 0.0))
        return x > 0.0 ? mean : m->mean;
    return fmin(m->p * (m->gamma + (x > 0.0 ? x * mean : 0.0)) / below, ceiling);
}
