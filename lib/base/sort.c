/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/sort.h"

/* Digits of the keys, in bits: wide ones need fewer passes, and more counters. */
enum { NARROW = 8, WIDE = 11, WIDE_WORTH = 2048 };

/* Bits that are not the same in all keys; 0 when the keys are in order already. */
static uint64_t
sort_difference(const fbk__sort_item *items, size_t n)
{
    uint64_t difference = 0;
    bool sorted = true;

    for (size_t i = 1; i < n; i++) {
        difference |= items[i].key ^ items[0].key;
        sorted &= items[i].key >= items[i - 1].key;
    }
    return sorted ? 0 : difference;
}

static void
sort_pass(const fbk__sort_item *from, fbk__sort_item *to, size_t n, unsigned shift, unsigned bits)
{
    const uint64_t mask = (UINT64_C(1) << bits) - 1;
    size_t counts[1 << WIDE];
    size_t at = 0;

    memset(counts, 0, sizeof *counts << bits);
    for (size_t i = 0; i < n; i++)
        counts[from[i].key >> shift & mask]++;
    for (size_t v = 0; v <= mask; v++) {
        size_t count = counts[v];

        counts[v] = at;
        at += count;
    }
    for (size_t i = 0; i < n; i++)
        to[counts[from[i].key >> shift & mask]++] = from[i];
}

bool
fbk__sort_items(const fbk_allocator *a, fbk__sort_item *items, size_t n)
{
    const unsigned bits = n < WIDE_WORTH ? NARROW : WIDE;
    uint64_t difference = sort_difference(items, n);
    fbk__sort_item *from = items;
    fbk__sort_item *to;
    fbk__sort_item *scratch;

    if (!difference)
        return true;
    scratch = fbk__alloc(a, n * sizeof *scratch); /* n items exist: no overflow */
    if (!scratch)
        return false;
    to = scratch;
    while (difference) {
        unsigned shift = (unsigned)__builtin_ctzll(difference);
        fbk__sort_item *swap = from;

        sort_pass(from, to, n, shift, bits);
        from = to;
        to = swap;
        difference = shift + bits < 64 ? difference >> (shift + bits) << (shift + bits) : 0;
    }
    if (from != items)
        memcpy(items, from, n * sizeof *items);
    fbk__free(a, scratch);
    return true;
}
