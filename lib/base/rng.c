/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"

#include <math.h>

#include "base/hash.h"

void
fbk__rng_seed(fbk__rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        rng->s[i] = fbk__mix64(seed);
    }
}

static uint64_t
rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

/* Blackman, Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4), 2021. */
uint64_t
fbk__rng_u64(fbk__rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t
fbk__rng_below(fbk__rng *rng, uint64_t n)
{
    uint64_t floor = (UINT64_MAX - n + 1) % n; /* 2^64 mod n: below it is the biased part */
    uint64_t x;

    do
        x = fbk__rng_u64(rng);
    while (x < floor);
    return x % n;
}

double
fbk__rng_double(fbk__rng *rng)
{
    return (double)(fbk__rng_u64(rng) >> 11) * 0x1p-53;
}

double
fbk__rng_normal(fbk__rng *rng)
{
    /* Box-Muller: both uniforms are drawn each time, so that the stream does not depend on what
     * was asked before. */
    double u = 1.0 - fbk__rng_double(rng);
    double v = fbk__rng_double(rng);

    return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
}

double
fbk__rng_exponential(fbk__rng *rng)
{
    return -log(1.0 - fbk__rng_double(rng));
}

/* Marsaglia, Tsang, "A simple method for generating gamma variables", ACM TOMS 26(3), 2000. */
double
fbk__rng_gamma(fbk__rng *rng, double shape)
{
    double boost = 1.0;
    double c;
    double d;

    if (shape < 1.0) {
        boost = pow(1.0 - fbk__rng_double(rng), 1.0 / shape);
        shape += 1.0;
    }
    d = shape - 1.0 / 3.0;
    c = 1.0 / sqrt(9.0 * d);
    for (;;) {
        double x = fbk__rng_normal(rng);
        double v = 1.0 + c * x;
        double u = 1.0 - fbk__rng_double(rng);

        if (v <= 0.0)
            continue;
        v = v * v * v;
        if (log(u) < 0.5 * x * x + d - d * v + d * log(v))
            return d * v * boost;
    }
}

double
fbk__rng_beta(fbk__rng *rng, double a, double b)
{
    double x = fbk__rng_gamma(rng, a);
    double y = fbk__rng_gamma(rng, b);

    return x / (x + y);
}

int64_t
fbk__rng_poisson(fbk__rng *rng, double mean)
{
    int64_t total = 0;

    /* Large means are halved through the gamma waiting time (Ahrens, Dieter 1974), so that the
     * product of uniforms below never underflows. */
    while (mean > 30.0) {
        int64_t m = (int64_t)(mean * 7.0 / 8.0);
        double x = fbk__rng_gamma(rng, (double)m);

        if (x > mean) {
            /* x is the m-th arrival: m - 1 earlier ones fall uniformly into (0, x). */
            double p = mean / x;

            for (int64_t i = 0; i < m - 1; i++)
                total += fbk__rng_double(rng) < p;
            return total;
        }
        total += m;
        mean -= x;
    }
    for (double product = 1.0 - fbk__rng_double(rng), limit = exp(-mean); product > limit;
         product *= 1.0 - fbk__rng_double(rng))
        total++;
    return total;
}
