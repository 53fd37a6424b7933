/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

/** xoshiro256**, seeded through SplitMix64: the same seed gives the same numbers everywhere, for
 *  ever. Not for secrets. */
typedef struct fbk__rng {
    uint64_t s[4];
} fbk__rng;

void
fbk__rng_seed(fbk__rng *rng, uint64_t seed);

/** Uniform over all 64-bit numbers. */
uint64_t
fbk__rng_u64(fbk__rng *rng);

/** Uniform in [0, n), without bias; n > 0. */
uint64_t
fbk__rng_below(fbk__rng *rng, uint64_t n);

/** Uniform in [0, 1), 53 bits. */
double
fbk__rng_double(fbk__rng *rng);

/** Standard normal. */
double
fbk__rng_normal(fbk__rng *rng);

/** Exponential with mean 1. */
double
fbk__rng_exponential(fbk__rng *rng);

/** Gamma with this shape (> 0) and scale 1. */
double
fbk__rng_gamma(fbk__rng *rng, double shape);

/** Beta(a, b), both > 0. */
double
fbk__rng_beta(fbk__rng *rng, double a, double b);

/** Poisson with this mean, [0, 1e9]. */
int64_t
fbk__rng_poisson(fbk__rng *rng, double mean);

#endif
