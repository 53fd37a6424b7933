/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SPECIAL_H
#define BASE_SPECIAL_H

/* Special functions of the value models. Pure, no allocation, safe in any thread. Outside its
 * domain each gives NaN. Accuracy is proved against 50-digit vectors in tests/golden. */

/** log Gamma(x), x > 0. */
double
fbk__lgamma(double x);

/** log Gamma(a + x) - log Gamma(a), a > 0, x >= 0: no cancellation for large a or large x. */
double
fbk__lgamma_diff(double a, double x);

/** Derivative of log Gamma, x > 0. */
double
fbk__digamma(double x);

/** log of the beta function, a > 0, b > 0. */
double
fbk__lbeta(double a, double b);

/** log(1 + exp(x)), any x. */
double
fbk__log1pexp(double x);

/** log(1 + x) - x, x > -1, exact for small x. */
double
fbk__log1pmx(double x);

/** Regularised incomplete gamma functions P and Q = 1 - P, a > 0, x >= 0. */
double
fbk__igamma_p(double a, double x);
double
fbk__igamma_q(double a, double x);

/** Regularised incomplete beta function I_x(a, b), a, b > 0, x in [0, 1]. The complement xc = 1 - x
 *  is an argument of its own, so that neither end loses digits. */
double
fbk__ibeta(double a, double b, double x, double xc);

/** x with Phi(x) = p, p in [0, 1]; infinite at the ends. */
double
fbk__normal_quantile(double p);

/** log |2F1(a, b; c; z)| with its sign: a, b > 0; z in [0, 1); c > -1, c != 0 and
 *  c > min(a, b) - 1, which holds for every argument that BG/NBD and Pareto/NBD ask for. Never
 *  overflows: r = 1, a = .01, b = .04, x = 1500 already gives 3e465. */
double
fbk__log_hyp2f1(double a, double b, double c, double z, int *out_sign);

/** log of the integral of exp(g(s)) over all real s, g smooth with one peak and at least
 *  exponential tails: trapezoids in tau with s = mode + width * sinh(tau), halved until they agree.
 *  @param mode  near the peak.
 *  @param width about the peak's standard deviation, (0, 1]. */
double
fbk__log_integral(double (*g)(double s, const void *ctx), const void *ctx, double mode,
                  double width);

#endif
