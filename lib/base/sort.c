/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/sort.h"

enum { BYTES = 8, RADIX = 256 };

/* How often each byte value occurs at each place of the keys. */
static void
sort_count(const fbk__sort_item *items, size_t n, size_t counts[BYTES][RADIX])
{
    memset(counts, 0, sizeof(size_t) * BYTES * RADIX);
    for (size_t i = 0; i < n; i++) {
        for (unsigned b = 0; b < BYTES; b++)
            counts[b][items[i].key >> (8 * b) & 0xff]++;
    }
}

static void
sort_pass(const fbk__sort_item *from, fbk__sort_item *to, size_t n, unsigned byte, size_t *counts)
{
    size_t at = 0;

    for (size_t v = 0; v < RADIX; v++) {
        size_t count = counts[v];

        counts[v] = at;
        at += count;
    }
    for (size_t i = 0; i < n; i++)
        to[counts[from[i].key >> (8 * byte) & 0xff]++] = from[i];
}

bool
fbk__sort_items(const fbk_allocator *a, fbk__sort_item *items, size_t n)
{
    size_t counts[BYTES][RADIX];
    fbk__sort_item *from = items;
    fbk__sort_item *to;
    fbk__sort_item *scratch;

    if (n < 2)
        return true;
    scratch = fbk__alloc(a, n * sizeof *scratch); /* n items exist: no overflow */
    if (!scratch)
        return false;
    to = scratch;
    sort_count(items, n, counts);
    for (unsigned b = 0; b < BYTES; b++) {
        fbk__sort_item *swap = from;

        if (counts[b][items[0].key >> (8 * b) & 0xff] == n)
            continue;
        sort_pass(from, to, n, b, counts[b]);
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, n * sizeof *items);
    fbk__free(a, scratch);
    return true;
}
