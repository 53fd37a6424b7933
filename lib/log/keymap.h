/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_KEYMAP_H
#define LOG_KEYMAP_H

#include "log/run.h"

/** Map from 128-bit keys to 64-bit values: open addressing, no removal. */
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

/** The value of a key; NULL when it is not there. Valid until the next put. */
uint64_t *
fbk__keymap_get(const fbk__keymap *map, fbk__key key);

/** The same, made with value 0 if new; NULL when out of memory. */
uint64_t *
fbk__keymap_put(fbk__keymap *map, fbk__key key, bool *out_new) FBK_MUST_USE;

#endif
