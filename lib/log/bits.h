/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_BITS_H
#define LOG_BITS_H

#include "base/buf.h"

/* Fixed-width unsigned integers, least significant bit first, without gaps. */

/** Bits that a value needs, 0..64. */
static inline unsigned
fbk__bits_width(uint64_t value)
{
    return value ? 64u - (unsigned)__builtin_clzll(value) : 0u;
}

/** Bytes of n values of this width. */
static inline size_t
fbk__bits_size(size_t n, unsigned width)
{
    return (n * width + 7) / 8;
}

/** Append n values of at most `width` bits each. */
void
fbk__bits_put(fbk__buf *out, const uint64_t *values, size_t n, unsigned width);

/** Read n values; `bad` is set on the reader when too few bytes are left. */
void
fbk__bits_get(fbk__reader *in, uint64_t *out, size_t n, unsigned width);

/** The same of which only `count` from number `from` on are given. */
void
fbk__bits_get_part(fbk__reader *in, uint64_t *out, size_t n, unsigned width, size_t from,
                   size_t count);

#endif
