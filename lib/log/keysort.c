/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/run.h"

/* Most keys are hashes: half of their upper half tells nearly all of them apart. */

static bool
order_by(const fbk_allocator *a, const fbk__key *keys, fbk__sort_item *items, size_t n, int part)
{
    for (size_t i = 0; i < n; i++) {
        fbk__key key = keys[items[i].row];

        items[i].key = part == 0 ? key.lo : part == 1 ? key.hi : key.hi >> 32;
    }
    return fbk__sort_items(a, items, n);
}

/* Insertion sort of what is nearly in order; false when it is not, after about n steps. */
static bool
order_neighbours(const fbk__key *keys, fbk__sort_item *items, size_t n)
{
    size_t steps = 0;

    for (size_t i = 1; i < n; i++) {
        fbk__sort_item item = items[i];
        size_t at = i;

        while (at > 0 && fbk__key_compare(keys[items[at - 1].row], keys[item.row]) > 0) {
            items[at] = items[at - 1];
            at--;
            steps++;
        }
        items[at] = item;
        if (steps > n)
            return false;
    }
    return true;
}

bool
fbk__keys_order(const fbk_allocator *a, const fbk__key *keys, fbk__sort_item *items, size_t n)
{
    if (!order_by(a, keys, items, n, 2))
        return false;
    if (order_neighbours(keys, items, n))
        return true;
    /* Counters, whose upper halves are equal. Equal keys are still in their order: neither sort
     * has changed it. */
    return order_by(a, keys, items, n, 0) && order_by(a, keys, items, n, 1);
}
