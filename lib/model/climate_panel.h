/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_CLIMATE_PANEL_H
#define MODEL_CLIMATE_PANEL_H

#include "model/climate.h"
#include "record/catalogue.h"
#include "record/place.h"

/* From the log to arrays: on which days of which stations there were how many baskets, and in how
 * many of them each item was. */

/** So many baskets of a row held this item. */
typedef struct fbk__climate_sale {
    uint32_t item; /* the style, for sizes and colours */
    uint32_t row;
    uint32_t n;
} fbk__climate_sale;

typedef struct fbk__climate_sales {
    const fbk_allocator *a;
    size_t n_rows, row_cap;
    uint32_t *station; /* by row */
    int32_t *day;      /* by row */
    double *baskets;   /* by row */
    fbk__climate_sale *sales;
    size_t n_sales, sale_cap;
    uint64_t n_events, from_event, to_event;
} fbk__climate_sales;

void
fbk__climate_sales_init(fbk__climate_sales *sales, const fbk_allocator *a);
void
fbk__climate_sales_free(fbk__climate_sales *sales);

/** Count the sales before as_of_us. Afterwards rows are sorted by (station, day) and sales by
 *  (item, row), each pair once. Baskets of places without a station do not count. */
fbk_status
fbk__climate_collect(fbk *db, fbk_time as_of_us, const fbk__places *places, const fbk__items *items,
                     const fbk_climate_options *options, fbk__climate_sales *out) FBK_MUST_USE;

/** The item that an item's sales count for: the topmost of its parents. */
uint32_t
fbk__climate_style(const fbk__items *items, uint32_t item);

#endif
