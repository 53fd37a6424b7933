/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/optim.h"

#include <math.h>
#include <string.h>

enum { DEFAULT_EVALS = 500, LINE_MAX = 60 };

#define DEFAULT_GRAD_TOLERANCE 1e-9
/* Where rounding ends the descent although the gradient is above its tolerance: it is small,
 * or the quadratic model expects a gain that the value's last digits would not show. */
#define GRAD_GOOD_ENOUGH 1e-5
#define GAIN_LOST 1e-10

/* The state of one descent: one block of memory, cut up. */
typedef struct descent {
    const fbk__optim *p;
    double *block;
    double *x, *x_new, *g, *g_new, *dir, *s, *y, *hy;
    double *h; /* n * n, the inverse of the Hessian so far */
    double f;
    uint32_t n_evals;
    bool held[FBK__OPTIM_MAX_N]; /* at a bound, and left there */
    bool fresh;                  /* h is the identity */
    bool flat;                   /* it ended where rounding hides any further gain */
} descent;

static double
clamped(const fbk__optim *p, size_t i, double v)
{
    return fmin(fmax(v, p->lower[i]), p->upper[i]);
}

static double
dot(const double *x, const double *y, size_t n)
{
    double sum = 0.0;

    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

static uint32_t
budget(const fbk__optim *p)
{
    return p->max_evals ? p->max_evals : DEFAULT_EVALS;
}

static double
tolerance(const fbk__optim *p)
{
    return p->grad_tolerance > 0.0 ? p->grad_tolerance : DEFAULT_GRAD_TOLERANCE;
}

/* A variable at a bound that descent would push through it stays where it is. */
static bool
pinned(const fbk__optim *p, const double *x, const double *g, size_t i)
{
    return (x[i] <= p->lower[i] && g[i] > 0.0) || (x[i] >= p->upper[i] && g[i] < 0.0);
}

static double
grad_norm(const descent *d)
{
    double norm = 0.0;

    for (size_t i = 0; i < d->p->n; i++) {
        if (!pinned(d->p, d->x, d->g, i))
            norm = fmax(norm, fabs(d->g[i]));
    }
    return norm;
}

static bool
descent_alloc(const fbk_allocator *a, descent *d, const fbk__optim *p, const double *x)
{
    double *at;

    memset(d, 0, sizeof *d);
    d->p = p;
    d->block = fbk__calloc(a, p->n * (p->n + 8), sizeof *d->block);
    if (!d->block)
        return false;
    at = d->block;
    d->x = at;
    d->x_new = at += p->n;
    d->g = at += p->n;
    d->g_new = at += p->n;
    d->dir = at += p->n;
    d->s = at += p->n;
    d->y = at += p->n;
    d->hy = at += p->n;
    d->h = at + p->n;
    for (size_t i = 0; i < p->n; i++)
        d->x[i] = clamped(p, i, x[i]);
    return true;
}

static void
hessian_reset(descent *d)
{
    size_t n = d->p->n;

    memset(d->h, 0, n * n * sizeof *d->h);
    for (size_t i = 0; i < n; i++)
        d->h[i * n + i] = 1.0;
    d->fresh = true;
}

/* Hold a variable. Of the inverse of the Hessian, the Schur complement is what remains for the
 * others: the inverse of the Hessian with that variable left out. */
static void
hold(descent *d, size_t k)
{
    size_t n = d->p->n;
    double diagonal = d->h[k * n + k];

    d->held[k] = true;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n && i != k; j++) {
            if (j != k)
                d->h[i * n + j] -= d->h[i * n + k] * d->h[k * n + j] / diagonal;
        }
    }
    for (size_t i = 0; i < n; i++)
        d->h[i * n + k] = d->h[k * n + i] = 0.0;
    d->h[k * n + k] = diagonal;
}

/* dir = -H g, with no part in the held variables; in steps, as a variable at its bound that the
 * direction would push through is held too. Returns the slope along dir. */
static double
descent_direction(descent *d)
{
    const fbk__optim *p = d->p;
    bool again = true;

    for (size_t i = 0; i < p->n; i++) {
        bool now = pinned(p, d->x, d->g, i);

        if (now && !d->held[i])
            hold(d, i);
        d->held[i] = now;
    }
    while (again) {
        again = false;
        for (size_t i = 0; i < p->n; i++) {
            d->dir[i] = 0.0;
            for (size_t j = 0; j < p->n && !d->held[i]; j++)
                d->dir[i] -= d->held[j] ? 0.0 : d->h[i * p->n + j] * d->g[j];
        }
        for (size_t i = 0; i < p->n && !again; i++) {
            again = (d->x[i] <= p->lower[i] && d->dir[i] < 0.0) ||
                    (d->x[i] >= p->upper[i] && d->dir[i] > 0.0);
            if (again)
                hold(d, i);
        }
    }
    return dot(d->dir, d->g, p->n);
}

/* How far along dir the first bound lies, and which variable meets it. */
static double
step_to_bound(const descent *d, size_t *out_which)
{
    const fbk__optim *p = d->p;
    double nearest = INFINITY;

    *out_which = p->n;
    for (size_t i = 0; i < p->n; i++) {
        double bound = d->dir[i] < 0.0 ? p->lower[i] : p->upper[i];
        double step = d->dir[i] == 0.0 ? INFINITY : (bound - d->x[i]) / d->dir[i];

        if (step < nearest) {
            nearest = step;
            *out_which = i;
        }
    }
    return nearest;
}

static fbk_status
line_point(descent *d, double step, double longest, size_t which, double *out_f)
{
    const fbk__optim *p = d->p;

    for (size_t i = 0; i < p->n; i++)
        d->x_new[i] = clamped(p, i, d->x[i] + step * d->dir[i]);
    if (step >= longest && which < p->n) /* exactly on it, so that it counts as pinned */
        d->x_new[which] = d->dir[which] < 0.0 ? p->lower[which] : p->upper[which];
    d->n_evals++;
    *out_f = NAN;
    return p->fn(p->ctx, d->x_new, out_f, d->g_new);
}

/* Weak Wolfe conditions by bisection: shrink while the value does not fall enough, grow while the
 * slope is still steep. *out_ok says whether a lower point was found. */
static fbk_status
line_search(descent *d, double slope, double *out_f, bool *out_ok)
{
    size_t which;
    double longest = step_to_bound(d, &which);
    double low = 0.0;
    double high = INFINITY;
    double step = fmin(d->fresh ? fmin(1.0, 1.0 / sqrt(-slope)) : 1.0, longest);
    double f;
    fbk_status rc;

    *out_ok = false;
    for (int k = 0; k < LINE_MAX && d->n_evals < budget(d->p) && low < high * (1 - 1e-14); k++) {
        rc = line_point(d, step, longest, which, &f);
        if (rc < 0)
            return rc;
        if (!isfinite(f) || f > d->f + 1e-4 * step * slope) {
            high = step;
            step = 0.5 * (low + high);
            continue;
        }
        *out_f = f;
        *out_ok = f < d->f;
        if (step >= longest || dot(d->g_new, d->dir, d->p->n) >= 0.9 * slope)
            return FBK_OK;
        low = step;
        step = isinf(high) ? fmin(2.0 * step, longest) : 0.5 * (low + high);
    }
    /* The last point tried need not be the one that was good: go back to it. */
    return *out_ok ? line_point(d, low, longest, which, out_f) : FBK_OK;
}

/* The BFGS update of the inverse Hessian, left out where the curvature is not positive. */
static void
hessian_update(descent *d)
{
    size_t n = d->p->n;
    double sy;
    double yhy;

    for (size_t i = 0; i < n; i++) {
        d->s[i] = d->held[i] ? 0.0 : d->x_new[i] - d->x[i];
        d->y[i] = d->held[i] ? 0.0 : d->g_new[i] - d->g[i];
    }
    sy = dot(d->s, d->y, n);
    if (!(sy > 1e-16 * sqrt(dot(d->s, d->s, n) * dot(d->y, d->y, n))))
        return;
    if (d->fresh) { /* the first step tells the scale */
        for (size_t i = 0; i < n; i++)
            d->h[i * n + i] = sy / dot(d->y, d->y, n);
        d->fresh = false;
    }
    for (size_t i = 0; i < n; i++)
        d->hy[i] = dot(d->h + i * n, d->y, n);
    yhy = dot(d->y, d->hy, n);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            d->h[i * n + j] +=
                ((1.0 + yhy / sy) * d->s[i] * d->s[j] - d->hy[i] * d->s[j] - d->s[i] * d->hy[j]) /
                sy;
    }
}

static fbk_status
descent_run(descent *d)
{
    const fbk__optim *p = d->p;
    fbk_status rc = p->fn(p->ctx, d->x, &d->f, d->g);

    d->n_evals = 1;
    hessian_reset(d);
    while (rc >= 0 && isfinite(d->f) && d->n_evals < budget(p) && grad_norm(d) > tolerance(p)) {
        double slope = descent_direction(d);
        double f = d->f;
        bool ok = false;

        if (slope < 0.0)
            rc = line_search(d, slope, &f, &ok);
        if (rc < 0)
            break;
        if (!ok && !d->fresh)
            d->flat = -0.5 * slope <= GAIN_LOST * fmax(1.0, fabs(d->f));
        if (!ok && (d->fresh || d->flat))
            break;
        if (!ok) { /* once more, straight down */
            hessian_reset(d);
            continue;
        }
        hessian_update(d);
        memcpy(d->x, d->x_new, p->n * sizeof *d->x);
        memcpy(d->g, d->g_new, p->n * sizeof *d->g);
        d->f = f;
    }
    return rc;
}

fbk_status
fbk__optim_bfgs(const fbk_allocator *a, const fbk__optim *p, double *x, fbk__optim_result *out)
{
    descent d;
    fbk_status rc;

    if (!descent_alloc(a, &d, p, x))
        return FBK_ENOMEM;
    rc = descent_run(&d);
    if (rc >= 0) {
        memcpy(x, d.x, p->n * sizeof *x);
        out->value = d.f;
        out->grad_norm = grad_norm(&d);
        out->n_evals = d.n_evals;
        out->converged = isfinite(d.f) && (d.flat || out->grad_norm <= tolerance(p) ||
                                           out->grad_norm <= GRAD_GOOD_ENOUGH);
    }
    fbk__free(a, d.block);
    return rc;
}

/* Nelder and Mead's simplex: n + 1 corners, kept sorted by value. */
typedef struct simplex {
    const fbk__optim *p;
    double *corner; /* (n + 1) * n */
    double *value;  /* n + 1 */
    double *centre;
    double *trial;
    double *other;
    uint32_t n_evals;
} simplex;

static fbk_status
simplex_value(simplex *s, double *x, double *out)
{
    fbk_status rc;

    for (size_t i = 0; i < s->p->n; i++)
        x[i] = clamped(s->p, i, x[i]);
    rc = s->p->fn(s->p->ctx, x, out, NULL);
    s->n_evals++;
    if (!isfinite(*out))
        *out = INFINITY;
    return rc;
}

/* Moves corner k to its place among those before it, which are sorted. */
static void
simplex_sift(simplex *s, size_t k)
{
    size_t n = s->p->n;

    for (; k > 0 && s->value[k] < s->value[k - 1]; k--) {
        double v = s->value[k];

        s->value[k] = s->value[k - 1];
        s->value[k - 1] = v;
        for (size_t j = 0; j < n; j++) {
            double x = s->corner[k * n + j];

            s->corner[k * n + j] = s->corner[(k - 1) * n + j];
            s->corner[(k - 1) * n + j] = x;
        }
    }
}

/* out = centre + t (worst - centre), and its value. */
static fbk_status
simplex_try(simplex *s, double t, double *out, double *out_value)
{
    size_t n = s->p->n;

    for (size_t j = 0; j < n; j++)
        out[j] = s->centre[j] + t * (s->corner[n * n + j] - s->centre[j]);
    return simplex_value(s, out, out_value);
}

static fbk_status
simplex_shrink(simplex *s)
{
    size_t n = s->p->n;
    fbk_status rc = FBK_OK;

    for (size_t i = 1; i <= n && rc >= 0; i++) {
        for (size_t j = 0; j < n; j++)
            s->corner[i * n + j] = 0.5 * (s->corner[i * n + j] + s->corner[j]);
        rc = simplex_value(s, s->corner + i * n, &s->value[i]);
    }
    for (size_t i = 1; i <= n; i++)
        simplex_sift(s, i);
    return rc;
}

/* One step: reflect the worst corner; expand, contract or shrink. */
static fbk_status
simplex_step(simplex *s)
{
    size_t n = s->p->n;
    double reflected = INFINITY;
    double second = INFINITY;
    const double *keep = s->trial;
    double value;
    fbk_status rc;

    for (size_t j = 0; j < n; j++) {
        s->centre[j] = 0.0;
        for (size_t i = 0; i < n; i++)
            s->centre[j] += s->corner[i * n + j] / (double)n;
    }
    rc = simplex_try(s, -1.0, s->trial, &reflected);
    value = reflected;
    if (rc >= 0 && reflected < s->value[0]) {
        rc = simplex_try(s, -2.0, s->other, &second);
    } else if (rc >= 0 && reflected >= s->value[n - 1]) {
        rc = simplex_try(s, reflected < s->value[n] ? -0.5 : 0.5, s->other, &second);
        if (rc >= 0 && second >= fmin(reflected, s->value[n]))
            return simplex_shrink(s);
    }
    if (rc < 0)
        return rc;
    if (second < reflected) {
        keep = s->other;
        value = second;
    }
    memcpy(s->corner + n * n, keep, n * sizeof *keep);
    s->value[n] = value;
    simplex_sift(s, n);
    return FBK_OK;
}

static fbk_status
simplex_start(simplex *s, const double *x)
{
    size_t n = s->p->n;
    fbk_status rc = FBK_OK;

    for (size_t i = 0; i <= n && rc >= 0; i++) {
        memcpy(s->corner + i * n, x, n * sizeof *x);
        if (i > 0) {
            double *moved = &s->corner[i * n + i - 1];
            double up = clamped(s->p, i - 1, *moved + 0.5);

            *moved = up > *moved ? up : *moved - 0.5;
        }
        rc = simplex_value(s, s->corner + i * n, &s->value[i]);
        simplex_sift(s, i);
    }
    return rc;
}

fbk_status
fbk__optim_simplex(const fbk_allocator *a, const fbk__optim *p, double *x, fbk__optim_result *out)
{
    size_t n = p->n;
    double *block = fbk__calloc(a, (n + 1) * n + (n + 1) + 3 * n, sizeof *block);
    simplex s = {.p = p, .corner = block};
    fbk_status rc;

    if (!block)
        return FBK_ENOMEM;
    s.value = block + (n + 1) * n;
    s.centre = s.value + n + 1;
    s.trial = s.centre + n;
    s.other = s.trial + n;
    rc = simplex_start(&s, x);
    while (rc >= 0 && s.n_evals < budget(p) &&
           !(s.value[n] - s.value[0] <= 1e-15 * (fabs(s.value[0]) + 1e-300)))
        rc = simplex_step(&s);
    if (rc >= 0) {
        memcpy(x, s.corner, n * sizeof *x);
        out->value = s.value[0];
        out->grad_norm = NAN;
        out->n_evals = s.n_evals;
        out->converged = isfinite(s.value[0]) && s.n_evals < budget(p);
    }
    fbk__free(a, block);
    return rc;
}

fbk_status
fbk__optim_minimise(const fbk_allocator *a, const fbk__optim *p, const double *starts,
                    size_t n_starts, double *x, fbk__optim_result *out)
{
    double trial[FBK__OPTIM_MAX_N];
    size_t size = p->n * sizeof *x;
    fbk__optim_result one;
    uint32_t n_evals = 0;
    fbk_status rc;

    *out = (fbk__optim_result){.value = INFINITY, .grad_norm = INFINITY};
    memcpy(x, starts, size);
    for (size_t k = 0; k < n_starts; k++) {
        memcpy(trial, starts + k * p->n, size);
        rc = fbk__optim_bfgs(a, p, trial, &one);
        if (rc < 0)
            return rc;
        n_evals += one.n_evals;
        if (isfinite(one.value) && one.value < out->value) {
            *out = one;
            memcpy(x, trial, size);
        }
    }
    if (!out->converged) {
        rc = fbk__optim_simplex(a, p, x, &one);
        n_evals += one.n_evals;
        if (rc >= 0 && isfinite(one.value)) {
            rc = fbk__optim_bfgs(a, p, x, out);
            n_evals += out->n_evals;
        }
        if (rc < 0)
            return rc;
    }
    out->n_evals = n_evals;
    return FBK_OK;
}
