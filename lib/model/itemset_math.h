/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_ITEMSET_MATH_H
#define MODEL_ITEMSET_MATH_H

#include "base/alloc.h"

/* Sets of items that enough orders hold, each counted exactly (Eclat: Zaki, "Scalable Algorithms
 * for Association Mining", IEEE TKDE 12(3), 2000), and the rules that they give. */

/** Orders and items, both ways round; all lists ascend. */
typedef struct fbk__itemset_input {
    uint32_t n_items;
    uint32_t n_orders;
    const uint64_t *item_start;  /* n_items + 1 */
    const uint32_t *item_orders; /* orders that hold the item */
    const uint64_t *order_start; /* n_orders + 1 */
    const uint32_t *order_items; /* items that the order holds */
} fbk__itemset_input;

typedef struct fbk__itemset_options {
    uint32_t min_orders; /* >= 1 */
    uint32_t min_size;   /* smaller sets are counted, not given; >= 1 */
    uint32_t max_size;   /* [min_size, 12] */
    uint32_t reserved0;
    uint64_t budget; /* bytes; 0 = no limit */
    /** Called for each item as it is begun; a negative value stops and is returned. May be NULL. */
    fbk_status (*tick)(void *user_data, uint64_t done, uint64_t total);
    void *user_data;
} fbk__itemset_options;

/** Sets in the order of their items (ascending within a set, shorter before longer). */
typedef struct fbk__itemsets {
    const fbk_allocator *a;
    size_t n;
    uint64_t *start; /* n + 1 */
    uint32_t *items;
    uint32_t *orders; /* n */
    size_t start_cap, items_cap, orders_cap;
} fbk__itemsets;

/** FBK_ENOMEM, FBK_ETOOBIG (budget), or what tick gave; *out is then empty. */
fbk_status
fbk__itemsets_mine(const fbk_allocator *a, const fbk__itemset_input *in,
                   const fbk__itemset_options *opt, fbk__itemsets *out) FBK_MUST_USE;
void
fbk__itemsets_free(fbk__itemsets *sets);

#endif
