/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_CLV_MATH_H
#define MODEL_CLV_MATH_H

#include "base/alloc.h"

/* BG/NBD purchase counts, its limit without dropout (NBD), and gamma-gamma spend. Arrays in,
 * arrays out. The unit of time is the caller's; days in the public calls. */

/** A customer, or several alike. */
typedef struct fbk__clv_row {
    double x;      /* repeat purchases, whole, [0, 1e9] */
    double t_x;    /* age at the last purchase, [0, t]; 0 when x = 0 */
    double t;      /* age, [0, 1e6] */
    double weight; /* how many customers, (0, 1e12] */
} fbk__clv_row;

enum {
    FBK__CLV_FULL = 0,       /* all four parameters were fitted */
    FBK__CLV_NO_DROPOUT = 1, /* dropout cannot be identified: the NBD limit, a = b = 0 */
    FBK__CLV_NO_REPEAT = 2   /* nobody bought twice: every forecast is 0, all parameters too */
};

/** A fitted model. While alive a customer buys as a Poisson process of rate ~ Gamma(r, alpha);
 *  after each repeat purchase he drops out with a probability ~ Beta(a, b). */
typedef struct fbk__clv_params {
    double r;
    double alpha;
    double a;
    double b;
    double loglik;     /* at the parameters */
    double loglik_nbd; /* of the NBD limit, fitted to the same rows */
    double rate_max;   /* the largest observed x / t: forecasts stay below 10 times this rate */
    double n_customers;
    double n_repeats;
    uint32_t status; /* FBK__CLV_* */
    uint32_t n_evals;
} fbk__clv_params;

/** Merge equal rows; they end up sorted by (x, t_x, t).
 *  @retval FBK_ENOMEM rows unchanged; FBK_ETOOBIG more than UINT32_MAX rows. */
fbk_status
fbk__clv_collapse(const fbk_allocator *a, fbk__clv_row *rows, size_t *n) FBK_MUST_USE;

/** Log-likelihood of BG/NBD for (r, alpha, a, b). @param grad 4 derivatives, or NULL. */
double
fbk__clv_bgnbd_loglik(const double params[4], const fbk__clv_row *rows, size_t n, double *grad);

/** The same of NBD for (r, alpha): the limit of the above for a / (a + b) -> 0. */
double
fbk__clv_nbd_loglik(const double params[2], const fbk__clv_row *rows, size_t n, double *grad);

/** Maximum likelihood. The rows must be in their ranges; sorted by x they are summed faster.
 *
 *  Where dropout cannot be identified (a / (a + b) below 1e-6, or a log-likelihood less than 2
 *  above NBD's) the NBD limit is given, with its status. Flat data is no failure.
 *  @param max_evals likelihood evaluations of each start; 0 = 500.
 *  @retval FBK_ENODATA no row; FBK_ENOCONV (the best found is in *out); FBK_ENOMEM. */
fbk_status
fbk__clv_fit(const fbk_allocator *a, const fbk__clv_row *rows, size_t n, uint32_t max_evals,
             fbk__clv_params *out) FBK_MUST_USE;

/** P(not dropped out yet). BG/NBD says 1 when x = 0: a customer drops out only at a purchase. */
double
fbk__clv_alive(const fbk__clv_params *m, double x, double t_x, double t);

/** Expected purchases in the next `horizon` of a customer with this history. */
double
fbk__clv_expected(const fbk__clv_params *m, double x, double t_x, double t, double horizon);

/** Expected repeat purchases of a new customer in his first `t`. */
double
fbk__clv_mean(const fbk__clv_params *m, double t);

/** P(a new customer makes exactly k repeat purchases in his first `t`). */
double
fbk__clv_pmf(const fbk__clv_params *m, double t, uint32_t k);

/** As fbk__clv_expected(), each purchase weighted with exp(-rate * its time from now). */
double
fbk__clv_discounted(const fbk__clv_params *m, double x, double t_x, double t, double horizon,
                    double rate);

/** A customer's spend. */
typedef struct fbk__spend_row {
    double x;      /* orders that the mean is over, whole, [1, 1e9] */
    double mean;   /* mean value of them, (0, 1e15] */
    double weight; /* (0, 1e12] */
} fbk__spend_row;

/** Gamma-gamma: the value of an order ~ Gamma(p, nu), nu of a customer ~ Gamma(q, gamma). */
typedef struct fbk__spend_params {
    double p;
    double q;
    double gamma;
    double loglik;
    double mean;     /* over customers, of the means */
    double mean_max; /* the largest observed: no expectation from less is higher */
    double n_customers;
    uint32_t n_evals;
    uint32_t reserved0;
} fbk__spend_params;

/** Log-likelihood for (p, q, gamma). @param grad 3 derivatives, or NULL. */
double
fbk__spend_loglik(const double params[3], const fbk__spend_row *rows, size_t n, double *grad);

/** Maximum likelihood. As fbk__clv_fit(). */
fbk_status
fbk__spend_fit(const fbk_allocator *a, const fbk__spend_row *rows, size_t n, uint32_t max_evals,
               fbk__spend_params *out) FBK_MUST_USE;

/** Expected value of an order of a customer with x orders of this mean; x = 0: of a new one. */
double
fbk__spend_expected(const fbk__spend_params *m, double x, double mean);

#endif
