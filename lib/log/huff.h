/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_HUFF_H
#define LOG_HUFF_H

#include "base/buf.h"

/* Huffman, "A method for the construction of minimum-redundancy codes", Proc. IRE 40(9), 1952:
 * small numbers, the more common ones in fewer bits. Codes are canonical, so that their lengths say
 * everything. */

enum { FBK__HUFF_SYMBOLS = 256, FBK__HUFF_BITS = 11 };

/** Code lengths of symbols 0 … k - 1 by how often each occurs (at least two of them do), at most
 *  FBK__HUFF_BITS; 0 = does not occur. */
void
fbk__huff_lengths(const uint32_t *counts, unsigned k, uint8_t *out_lengths);

/** Append n numbers below k, all of which have a code. */
void
fbk__huff_put(fbk__buf *out, const int64_t *numbers, size_t n, const uint8_t *lengths, unsigned k);

/** Read n numbers from the bytes that are left in a reader of just these. false: the lengths are no
 *  code, or the bytes end too soon. */
bool
fbk__huff_get(fbk__reader *in, int64_t *out, size_t n, const uint8_t *lengths, unsigned k)
    FBK_MUST_USE;

#endif
