/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_TK_SALE_H
#define SUPPORT_TK_SALE_H

#include "log/log.h"

/* Sales for tests of what is learnt from them. */

typedef struct tk_sale {
    const char *id;
    const char *kind;   /* NULL = "sale" */
    const char *space;  /* NULL = "customer" */
    const char *person; /* NULL = nobody */
    const char *cookie; /* NULL = none: a second identifier */
    const char *place;  /* NULL = none */
    int64_t occurred_us;
    uint32_t flags;
    uint32_t line_kind;       /* 0 = product */
    int64_t quantity_milli;   /* of each line; 0 = 1000 */
    int64_t amount_micro;     /* of each line; 0 = one currency unit a piece */
    const char *const *items; /* NULL-terminated if n_items is 0 */
    size_t n_items;
} tk_sale;

void
tk_sale_add(fbk__batch *batch, const tk_sale *sale);

/** Give the batch its numbers (new items and places are made), append it in one transaction, empty
 *  it. */
fbk_status
tk_sales_append(fbk *db, fbk__batch *batch) FBK_MUST_USE;

/** One sale, appended. */
void
tk_sell(fbk *db, const tk_sale *sale);

#endif
