/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/bitset.h"

#include <string.h>

void
fbk__bitset_free(fbk__bitset *set)
{
    fbk__free(set->a, set->words);
    set->words = NULL;
    set->n_words = 0;
}

bool
fbk__bitset_add(fbk__bitset *set, uint64_t number)
{
    uint64_t word = number / 64;

    if (word >= set->n_words) {
        size_t n = set->n_words;
        size_t cap = n;

        if (word > SIZE_MAX / 64 || !fbk__grow(set->a, &set->words, &cap, word + 1, 8))
            return false;
        memset(set->words + n, 0, (cap - n) * sizeof *set->words);
        set->n_words = cap;
    }
    set->words[word] |= UINT64_C(1) << number % 64;
    return true;
}

bool
fbk__bitset_has(const fbk__bitset *set, uint64_t number)
{
    return number / 64 < set->n_words && (set->words[number / 64] >> number % 64 & 1);
}

bool
fbk__bitset_next(const fbk__bitset *set, uint64_t *at)
{
    for (uint64_t word = *at / 64; word < set->n_words; word++) {
        uint64_t left = set->words[word];

        if (word == *at / 64)
            left &= UINT64_MAX << *at % 64;
        if (left) {
            *at = word * 64 + (uint64_t)__builtin_ctzll(left);
            return true;
        }
    }
    return false;
}
