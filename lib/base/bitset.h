/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BITSET_H
#define BASE_BITSET_H

#include "base/alloc.h"

/** A set of numbers, a bit each; grows with the highest. Zero-initialise and set `a`. */
typedef struct fbk__bitset {
    const fbk_allocator *a;
    uint64_t *words;
    size_t n_words;
} fbk__bitset;

void
fbk__bitset_free(fbk__bitset *set);

/** @retval false out of memory: nothing changed. */
bool
fbk__bitset_add(fbk__bitset *set, uint64_t number) FBK_MUST_USE;

bool
fbk__bitset_has(const fbk__bitset *set, uint64_t number);

/** The lowest number that is not below *at, which is set to it; false when there is none. */
bool
fbk__bitset_next(const fbk__bitset *set, uint64_t *at);

#endif
