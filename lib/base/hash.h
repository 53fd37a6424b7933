/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/** A 128-bit XXH3. Not cryptographic: never for personal data that leaves the store. */
typedef struct fbk__hash128 {
    uint64_t lo;
    uint64_t hi;
} fbk__hash128;

/** XXH3-64, seed 0: frozen output, may be stored. */
uint64_t
fbk__hash64(const void *bytes, size_t n);

/** XXH3-64 with a seed: for tables in memory. */
uint64_t
fbk__hash64_seeded(const void *bytes, size_t n, uint64_t seed);

/** XXH3-128, seed 0: frozen output, may be stored. */
fbk__hash128
fbk__hash128_of(const void *bytes, size_t n);

/** A good mixer of one integer (the finaliser of SplitMix64). */
static inline uint64_t
fbk__mix64(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

#endif
