/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_KEYMAP_H
#define LOG_KEYMAP_H

#include "log/run.h"

/** Map from keys (at most 32 bits of `lo` are used) to numbers above 0: open addressing, no
 *  removal. Most look-ups miss the processor's caches: four entries fit a line. */
typedef struct fbk__keymap {
    const fbk_allocator *a;
    struct fbk__keymap_slot *slots;
    size_t n;
    size_t cap; /* power of two, or 0 */
} fbk__keymap;

void
fbk__keymap_init(fbk__keymap *map, const fbk_allocator *a);
void
fbk__keymap_free(fbk__keymap *map);

/** Empty it; keeps the memory unless that is more than `keep` slots. */
void
fbk__keymap_clear(fbk__keymap *map, size_t keep);

/** The number of a key; 0 when it is not there. */
uint32_t
fbk__keymap_get(const fbk__keymap *map, fbk__key key);

/** Where the number of a key stands, 0 when the key is new: the caller then sets it. NULL when out
 *  of memory. Valid until the next put. */
uint32_t *
fbk__keymap_put(fbk__keymap *map, fbk__key key) FBK_MUST_USE;

/** The keys with this value into `out`, in no order; returns how many. */
size_t
fbk__keymap_list(const fbk__keymap *map, uint32_t value, fbk__key *out);

#endif
