/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include "base/alloc.h"

#include <string.h>

/* The C library's qsort() takes memory behind our back and compares through a pointer. These are
 * stable radix sorts in O(n) a key byte; bytes that are equal in all keys cost nothing. */

/** A key and where it came from. */
typedef struct fbk__sort_item {
    uint64_t key;
    uint32_t row;
    uint32_t unused;
} fbk__sort_item;

/** Sort by key; equal keys keep their order.
 *  @param items n items, n <= UINT32_MAX; on failure they are as they were.
 *  @retval false out of memory. */
bool
fbk__sort_items(const fbk_allocator *a, fbk__sort_item *items, size_t n) FBK_MUST_USE;

/** A key that orders as the doubles do: negative below positive, -0 as 0; NaN last. */
static inline uint64_t
fbk__sort_key_double(double x)
{
    uint64_t bits;

    x += 0.0;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

/** A key that orders as the integers do. */
static inline uint64_t
fbk__sort_key_int(int64_t x)
{
    return (uint64_t)x ^ UINT64_C(1) << 63;
}

#endif
