/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ACT_TASTE_H
#define ACT_TASTE_H

#include "log/log.h"
#include "record/catalogue.h"

/** What a person bought, item by item (sizes and colours as their style). */
typedef struct fbk__taste_item {
    uint32_t item;
    uint32_t n_orders;
    fbk_time last_us;
} fbk__taste_item;

typedef struct fbk__taste {
    const fbk_allocator *a;
    fbk__taste_item *items; /* by orders (falling), then latest first, then item */
    size_t n, cap;
    uint32_t n_orders; /* with a product */
} fbk__taste;

/** From the latest events of these nodes (ascending) before an instant. Sales that were not flagged
 *  as tests; product lines of positive quantity. */
fbk_status
fbk__taste_read(fbk *db, const fbk__items *items, const uint32_t *nodes, size_t n_nodes,
                fbk_time before_us, size_t max_events, fbk__taste *out) FBK_MUST_USE;
void
fbk__taste_free(fbk__taste *taste);

/** The style of an item: itself unless it has a parent. */
uint32_t
fbk__item_style(const fbk__items *items, uint32_t item);

#endif
