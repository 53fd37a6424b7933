/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_CATALOGUE_ROWS_H
#define RECORD_CATALOGUE_ROWS_H

#include "record/catalogue.h"
#include "record/field.h"

/* What the single and the bulk calls of the catalogue have in common. */

/** One item as it came in; texts are borrowed. */
typedef struct fbk__item_row {
    fbk__text sku, name, parent, category, brand, successor;
    int64_t price_micro, cost_micro;
    int64_t row;    /* of the input, for messages; 0 = none */
    uint32_t flags; /* FBK_ITEM_HAS_PRICE … FBK_ITEM_REPLACE */
    uint32_t reserved0;
} fbk__item_row;

/** Check and store one; inside a write transaction. The caller bumps the generation. */
fbk_status
fbk__item_write(fbk *db, const fbk__item_row *row, uint32_t *out_item) FBK_MUST_USE;

typedef struct fbk__attribute_value {
    uint32_t type; /* FBK_ATTRIBUTE_* */
    uint32_t reserved0;
    fbk__text text;
    int64_t integer;
    double number;
} fbk__attribute_value;

/** Check and store (or remove) one; inside a write transaction. */
fbk_status
fbk__attribute_write(fbk *db, int64_t row, uint32_t item, fbk__text key,
                     const fbk__attribute_value *value) FBK_MUST_USE;

#endif
