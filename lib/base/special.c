/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/special.h"

#include <float.h>
#include <math.h>
#include <stddef.h>

enum {
    STIRLING_FROM = 10,     /* the asymptotic series below have full precision from here on */
    FRACTION_MAX = 2000000, /* terms; sqrt(a) times a small number suffices */
    SERIES_MAX = 600
};

#define LOG_2PI 1.8378770664093454836
#define FRACTION_TINY 1e-300 /* keeps Lentz's algorithm off zero */

double
fbk__lgamma(double x)
{
    int sign;

    if (!(x > 0.0))
        return NAN;
    return lgamma_r(x, &sign); /* the plain one writes a global, signgam */
}

/* log Gamma(x) less Stirling's main part, x >= STIRLING_FROM: sum of B_2n / (2n (2n-1) x^(2n-1)).
 */
static double
stirling_rest(double x)
{
    double y = 1.0 / (x * x);

    return (1.0 / 12 +
            y * (-1.0 / 360 +
                 y * (1.0 / 1260 +
                      y * (-1.0 / 1680 +
                           y * (1.0 / 1188 + y * (-691.0 / 360360 +
                                                  y * (1.0 / 156 + y * (-3617.0 / 122400)))))))) /
           x;
}

/* Below STIRLING_FROM the recurrence Gamma(a + 1) = a Gamma(a) lifts a; each factor enters as
 * log1p(x / a), so that a small x keeps its digits. */
double
fbk__lgamma_diff(double a, double x)
{
    double lift = 0.0;

    if (!(a > 0.0) || !(x >= 0.0) || isinf(a) || isinf(x))
        return NAN;
    while (a < STIRLING_FROM) {
        lift += log1p(x / a);
        a += 1.0;
    }
    return (a - 0.5) * log1p(x / a) + x * (log(a + x) - 1.0) +
           (stirling_rest(a + x) - stirling_rest(a)) - lift;
}

double
fbk__digamma(double x)
{
    double lift = 0.0;
    double y;

    if (!(x > 0.0))
        return NAN;
    while (x < STIRLING_FROM) {
        lift += 1.0 / x;
        x += 1.0;
    }
    y = 1.0 / (x * x);
    return log(x) - 0.5 / x -
           y * (1.0 / 12 -
                y * (1.0 / 120 -
                     y * (1.0 / 252 -
                          y * (1.0 / 240 -
                               y * (1.0 / 132 -
                                    y * (691.0 / 32760 - y * (1.0 / 12 - y * 3617.0 / 8160))))))) -
           lift;
}

double
fbk__lbeta(double a, double b)
{
    double small = a < b ? a : b;
    double large = a < b ? b : a;

    if (!(small > 0.0) || isinf(large))
        return NAN;
    if (small < STIRLING_FROM)
        return fbk__lgamma(small) - fbk__lgamma_diff(large, small);
    return 0.5 * (LOG_2PI - log(large)) + (small - 0.5) * log(small / (small + large)) -
           large * log1p(small / large) + stirling_rest(small) + stirling_rest(large) -
           stirling_rest(small + large);
}

double
fbk__log1pexp(double x)
{
    return x > 0.0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* With r = x / (2 + x), log(1 + x) = 2 atanh(r) and 2 r - x = -x r. */
double
fbk__log1pmx(double x)
{
    double r;
    double power;
    double sum = 0.0;

    if (!(x > -1.0))
        return NAN;
    if (x < -0.4 || x > 0.6)
        return log1p(x) - x;
    r = x / (2.0 + x);
    power = 1.0;
    for (int k = 3; k < 41; k += 2) {
        sum += power / k;
        power *= r * r;
    }
    return r * (2.0 * r * r * sum - x);
}

/* x^a e^-x / Gamma(a + 1) */
static double
igamma_prefix(double a, double x)
{
    if (a < STIRLING_FROM)
        return exp(a * log(x) - x - fbk__lgamma(a + 1.0));
    return exp(a * fbk__log1pmx((x - a) / a) - stirling_rest(a) - 0.5 * (LOG_2PI + log(a)));
}

/* P by its power series, good for x < a + 1. */
static double
igamma_series(double a, double x)
{
    double term = 1.0;
    double sum = 1.0;

    for (int n = 1; n < FRACTION_MAX && term > sum * (DBL_EPSILON / 8); n++) {
        term *= x / (a + n);
        sum += term;
    }
    return igamma_prefix(a, x) * sum;
}

/* Q by Legendre's continued fraction (modified Lentz), good for x >= a + 1. */
static double
igamma_fraction(double a, double x)
{
    double b = x + 1.0 - a;
    double c = 1.0 / FRACTION_TINY;
    double d = 1.0 / b;
    double h = d;

    for (int n = 1; n < FRACTION_MAX; n++) {
        double an = -n * (n - a);
        double step;

        b += 2.0;
        d = an * d + b;
        d = 1.0 / (fabs(d) < FRACTION_TINY ? FRACTION_TINY : d);
        c = b + an / c;
        c = fabs(c) < FRACTION_TINY ? FRACTION_TINY : c;
        step = c * d;
        h *= step;
        if (fabs(step - 1.0) < DBL_EPSILON)
            break;
    }
    return igamma_prefix(a, x) * a * h;
}

double
fbk__igamma_p(double a, double x)
{
    if (!(a > 0.0) || !(x >= 0.0) || isinf(a))
        return NAN;
    if (x == 0.0)
        return 0.0;
    if (isinf(x))
        return 1.0;
    return x < a + 1.0 ? igamma_series(a, x) : 1.0 - igamma_fraction(a, x);
}

double
fbk__igamma_q(double a, double x)
{
    if (!(a > 0.0) || !(x >= 0.0) || isinf(a))
        return NAN;
    if (x == 0.0)
        return 1.0;
    if (isinf(x))
        return 0.0;
    return x < a + 1.0 ? 1.0 - igamma_series(a, x) : igamma_fraction(a, x);
}

/* x^a xc^b / B(a, b) */
static double
ibeta_prefix(double a, double b, double x, double xc)
{
    double off = x * b - xc * a; /* (a + b) times the distance of x from its mean */

    if (a < STIRLING_FROM || b < STIRLING_FROM)
        return exp(a * log(x) + b * log(xc) - fbk__lbeta(a, b));
    return exp(a * fbk__log1pmx(off / a) + b * fbk__log1pmx(-off / b) -
               0.5 * (LOG_2PI + log((a + b) / (a * b))) - stirling_rest(a) - stirling_rest(b) +
               stirling_rest(a + b));
}

/* The continued fraction of DLMF 8.17.22, modified Lentz; good for x < (a + 1) / (a + b + 2). */
static double
ibeta_fraction(double a, double b, double x)
{
    double c = 1.0;
    double d = 0.0;
    double h = 1.0;

    for (int n = 1; n < FRACTION_MAX; n++) {
        double m = n / 2;
        double an = n % 2 ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                          : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double step;

        d = 1.0 + an * d;
        d = 1.0 / (fabs(d) < FRACTION_TINY ? FRACTION_TINY : d);
        c = 1.0 + an / c;
        c = fabs(c) < FRACTION_TINY ? FRACTION_TINY : c;
        step = c * d;
        h *= step;
        if (fabs(step - 1.0) < DBL_EPSILON)
            break;
    }
    return h;
}

double
fbk__ibeta(double a, double b, double x, double xc)
{
    if (!(a > 0.0) || !(b > 0.0) || isinf(a) || isinf(b) || !(x >= 0.0) || !(xc >= 0.0))
        return NAN;
    if (x == 0.0)
        return 0.0;
    if (xc == 0.0)
        return 1.0;
    if (x < (a + 1.0) / (a + b + 2.0))
        return ibeta_prefix(a, b, x, xc) / a / ibeta_fraction(a, b, x);
    return 1.0 - ibeta_prefix(b, a, xc, x) / b / ibeta_fraction(b, a, xc);
}

/* Newton's method on log Phi, concave, so that every step after the first comes from one side:
 * d/dx log Phi = phi / Phi. The start is Hastings' rough approximation (error below 5e-4). */
double
fbk__normal_quantile(double p)
{
    double tail = p < 0.5 ? p : 1.0 - p;
    double u;
    double x;

    if (!(p >= 0.0 && p <= 1.0))
        return NAN;
    if (tail == 0.0)
        return p < 0.5 ? -HUGE_VAL : HUGE_VAL;
    u = sqrt(-2.0 * log(tail));
    x = -u + (2.515517 + u * (0.802853 + u * 0.010328)) /
                 (1.0 + u * (1.432788 + u * (0.189269 + u * 0.001308)));
    for (int i = 0; i < 6; i++) {
        double phi_big = 0.5 * erfc(-x * M_SQRT1_2);
        double phi_small = exp(-0.5 * (x * x + LOG_2PI));
        double step = log(phi_big / tail) * phi_big / phi_small;

        x -= step;
        if (fabs(step) <= 1e-16 * fabs(x))
            break;
    }
    return p < 0.5 ? x : -x;
}

/* One side of the trapezoid sum, from tau = start outwards in steps of `step`, of
 * exp(g(s) - top) * ds/dtau. Ends where the terms fall and no longer count. */
typedef struct integral {
    double (*g)(double, const void *);
    const void *ctx;
    double mode;
    double width;
    double top;
} integral;

static double
integral_side(const integral *in, double start, double step, double sum)
{
    double before = 0.0;
    double side = 0.0;

    for (int i = 0; i < 100000; i++) {
        double tau = start + i * step;
        double term =
            exp(in->g(in->mode + in->width * sinh(tau), in->ctx) - in->top) * in->width * cosh(tau);

        if (!(term >= 0.0)) /* an infinite s: the tail is over */
            break;
        side += term;
        if (term <= before && term < 1e-19 * (sum + side))
            break;
        before = term;
        if (fabs(tau) > 40.0)
            break;
    }
    return side;
}

double
fbk__log_integral(double (*g)(double s, const void *ctx), const void *ctx, double mode,
                  double width)
{
    integral in = {g, ctx, mode, width, g(mode, ctx)};
    double h = 0.5;
    double sum = width; /* the term at tau = 0 */
    double value;

    sum += integral_side(&in, h, h, sum);
    sum += integral_side(&in, -h, -h, sum);
    value = sum * h;
    for (int level = 0; level < 9; level++) {
        double finer;

        sum += integral_side(&in, 0.5 * h, h, sum);
        sum += integral_side(&in, -0.5 * h, -h, sum);
        h *= 0.5;
        finer = sum * h;
        /* Each halving about doubles the right digits. */
        if (fabs(finer - value) <= 1e-9 * finer && level > 0) {
            value = finer;
            break;
        }
        value = finer;
    }
    return in.top + log(value);
}

/* Gauss's series for parameters that make every term positive. NaN when it needs too long or
 * leaves the range of double; the caller then integrates. */
static double
hyp2f1_series(double a, double b, double c, double z)
{
    double term = 1.0;
    double sum = 1.0;

    for (int n = 0; n < SERIES_MAX; n++) {
        double ratio = (a + n) * (b + n) / ((c + n) * (n + 1.0)) * z;
        double bound = ratio > z ? ratio : z;

        term *= ratio;
        sum += term;
        if (bound < 1.0 && term * bound / (1.0 - bound) < sum * (DBL_EPSILON / 16))
            return log(sum);
        if (sum > 1e290)
            break;
    }
    return NAN;
}

typedef struct hyp2f1_euler {
    double a, b, c, z;
} hyp2f1_euler;

/* log of p^b (1-p)^(c-b) (1-zp)^-a at p = 1 / (1 + e^-s); dp = p (1-p) ds is in the exponents. */
static double
hyp2f1_integrand(double s, const void *ctx)
{
    const hyp2f1_euler *e = ctx;
    double log_p = -fbk__log1pexp(-s);
    double log_q = -fbk__log1pexp(s);

    return e->b * log_p + (e->c - e->b) * log_q - e->a * log((1.0 - e->z) + e->z * exp(log_q));
}

/* The root in (0, 1) of u2 p^2 - u1 p + u0, u0 > 0, which is negative at 1. */
static double
root_in_unit(double u2, double u1, double u0)
{
    double root = sqrt(fmax(u1 * u1 - 4.0 * u2 * u0, 0.0));

    return u1 >= 0.0 ? 2.0 * u0 / (u1 + root) : (u1 - root) / (2.0 * u2);
}

/* Euler's integral, c > b > 0. Its logarithm has one peak in s: the derivative times (1 - zp) is
 * b - p (c + bz - az) + p^2 z (c - a), positive at 0 and negative at 1. */
static double
hyp2f1_integral(double a, double b, double c, double z)
{
    hyp2f1_euler e = {a, b, c, z};
    double p = root_in_unit(z * (c - a), c + b * z - a * z, b);
    double q = 1.0 - p;
    double rest;
    double curve;
    double width;

    if (p > 0.5) { /* the same polynomial in q = 1 - p, negated */
        q = root_in_unit(-z * (c - a), c + b * z + a * z - 2.0 * z * c, (c - b) * (1.0 - z));
        p = 1.0 - q;
    }
    p = fmax(p, DBL_MIN);
    q = fmax(q, DBL_MIN);
    rest = (1.0 - z) + z * q;
    curve = p * q * (c - a * z * ((q - p) * rest + z * p * q) / (rest * rest));
    width = curve > 1.0 ? 1.0 / sqrt(curve) : 1.0;
    return fbk__log_integral(hyp2f1_integrand, &e, log(p) - log(q), width) - fbk__lbeta(b, c - b);
}

/* c > 0 and c + 1 > b. When c <= b the integral is not there, but
 * F(a,b;c) = F(a,b;c+1) + z a b / (c (c+1)) F(a+1,b+1;c+2) has positive terms only. */
static double
hyp2f1_positive(double a, double b, double c, double z)
{
    double value = NAN;
    double first;
    double second;

    if (c - a > 0.0 && c - b > 0.0)
        value = (c - a - b) * log1p(-z) + hyp2f1_series(c - a, c - b, c, z);
    if (isnan(value))
        value = hyp2f1_series(a, b, c, z);
    if (!isnan(value))
        return value;
    if (c > b)
        return hyp2f1_integral(a, b, c, z);
    first = hyp2f1_positive(a, b, c + 1.0, z);
    second = log(z * a * b / (c * (c + 1.0))) + hyp2f1_positive(a + 1.0, b + 1.0, c + 2.0, z);
    return first > second ? first + fbk__log1pexp(second - first)
                          : second + fbk__log1pexp(first - second);
}

double
fbk__log_hyp2f1(double a, double b, double c, double z, int *out_sign)
{
    double first;
    double second;
    double low = a < b ? a : b;
    double high = a < b ? b : a;

    *out_sign = 1;
    if (!(low > 0.0) || !(z >= 0.0 && z < 1.0) || !(c > -1.0) || c == 0.0 || !(c > low - 1.0) ||
        isinf(high) || isinf(c))
        return NAN;
    if (z == 0.0)
        return 0.0;
    if (c > 0.0)
        return hyp2f1_positive(high, low, c, z);
    /* -1 < c < 0: the second part of the same identity is negative. */
    first = hyp2f1_positive(high, low, c + 1.0, z);
    second = log(z * a * b / (-c * (c + 1.0))) + hyp2f1_positive(high + 1.0, low + 1.0, c + 2.0, z);
    *out_sign = first >= second ? 1 : -1;
    return first >= second ? first + log(-expm1(second - first))
                           : second + log(-expm1(first - second));
}
