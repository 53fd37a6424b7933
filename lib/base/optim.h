/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_OPTIM_H
#define BASE_OPTIM_H

#include "base/alloc.h"

/* Minimise a smooth function of a few variables inside a box: BFGS, several starts, and
 * Nelder-Mead where that fails. Deterministic: the same function gives the same steps. */

enum { FBK__OPTIM_MAX_N = 64 };

/** Value and gradient at x. A value that is not finite means "not here", and is no error.
 *  @param grad n partial derivatives; NULL when only the value is wanted.
 *  @return FBK_OK, or a negative status that ends the search and is passed up. */
typedef fbk_status (*fbk__optim_fn)(void *ctx, const double *x, double *out_value, double *grad);

typedef struct fbk__optim {
    fbk__optim_fn fn;
    void *ctx;
    size_t n;              /* variables, [1, FBK__OPTIM_MAX_N] */
    const double *lower;   /* n bounds; each start is moved inside */
    const double *upper;   /* n bounds, lower < upper */
    double grad_tolerance; /* largest partial derivative at which it ends; 0 = 1e-9 */
    uint32_t max_evals;    /* budget of each start; 0 = 500 */
} fbk__optim;

typedef struct fbk__optim_result {
    double value;
    double grad_norm; /* largest partial derivative, of those not pressed against a bound */
    uint32_t n_evals; /* over all starts */
    bool converged;
} fbk__optim_result;

/** BFGS from one point.
 *  @param x start, and the best point found.
 *  @retval FBK_OK also when it did not converge: see result. FBK_ENOMEM; or what fn returned. */
fbk_status
fbk__optim_bfgs(const fbk_allocator *a, const fbk__optim *p, double *x, fbk__optim_result *out)
    FBK_MUST_USE;

/** Nelder-Mead from one point; needs no gradient. As fbk__optim_bfgs(). */
fbk_status
fbk__optim_simplex(const fbk_allocator *a, const fbk__optim *p, double *x, fbk__optim_result *out)
    FBK_MUST_USE;

/** BFGS from each of n_starts points (n values each, one after the other), the best kept; if none
 *  converged, Nelder-Mead from the best, then BFGS again.
 *  @param[out] x the best point, n values. */
fbk_status
fbk__optim_minimise(const fbk_allocator *a, const fbk__optim *p, const double *starts,
                    size_t n_starts, double *x, fbk__optim_result *out) FBK_MUST_USE;

#endif
