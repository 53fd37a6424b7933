/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RECORD_CATALOGUE_H
#define RECORD_CATALOGUE_H

#include <feedback/catalogue.h>

#include "base/map.h"
#include "store/conn.h"

/** Number of an item (from 1) by its SKU, byte for byte.
 *
 *  @param create true: an unknown SKU gets a number, without a description; inside a write
 *                transaction. false: FBK_ENOTFOUND.
 *  @retval FBK_EINVAL len is 0 or the SKU contains a NUL.
 *  @retval FBK_ERANGE more than FBK_SKU_MAX bytes. */
fbk_status
fbk__item_resolve(fbk *db, const char *sku, size_t len, bool create, uint32_t *out_item)
    FBK_MUST_USE;

enum {
    FBK__ITEM_DESCRIBED = 1,    /* by the catalogue */
    FBK__ITEM_DISCONTINUED = 2, /* never recommended */
};

/** All items as arrays by number, and all categories: an immutable snapshot that threads share.
 *  Arrays have n + 1 entries; [0] is "none". */
typedef struct fbk__items {
    fbk__shared shared;
    uint32_t n;                /* highest item number */
    uint32_t n_categories;     /* highest category number */
    uint32_t *parent;          /* item; 0 = none */
    uint32_t *successor;       /* item; 0 = none */
    uint32_t *category;        /* 0 = none */
    int64_t *price_micro;      /* -1 = not known */
    int64_t *cost_micro;       /* -1 = not known */
    uint8_t *flags;            /* FBK__ITEM_*; 0 also for numbers never given */
    uint32_t *sku_at;          /* number of the SKU in skus */
    uint32_t *name_at;         /* number of the name in names */
    uint32_t *category_parent; /* by category; 0 = top */
    uint32_t *category_at;     /* number of the path in paths */
    uint32_t *item_of;         /* item by number of its SKU in skus */
    fbk__intern skus;
    fbk__intern names;
    fbk__intern paths;
} fbk__items;

/** The catalogue as it is now. Built once after a change: O(items). Give it back with
 *  fbk__items_release(). */
fbk_status
fbk__items_acquire(fbk *db, const fbk__items **out) FBK_MUST_USE;

/** NULL is a no-op. */
void
fbk__items_release(const fbk__items *items);

/** SKU of an item; "" for 0 or an unknown number. Borrowed from the snapshot. */
const char *
fbk__item_sku(const fbk__items *items, uint32_t item);

/** Name to show: the item's, else its SKU. */
const char *
fbk__item_name(const fbk__items *items, uint32_t item);

/** Path of a category; "" for 0. */
const char *
fbk__category_path(const fbk__items *items, uint32_t category);

/** Number of an item; 0 if there is none of that SKU. */
uint32_t
fbk__item_find(const fbk__items *items, const char *sku, size_t len);

/** Items that are known to be out of stock, place by place: an immutable snapshot. */
typedef struct fbk__stock fbk__stock;

fbk_status
fbk__stock_acquire(fbk *db, const fbk__stock **out) FBK_MUST_USE;

/** NULL is a no-op. */
void
fbk__stock_release(const fbk__stock *stock);

/** Whether an item is known to be out of stock at a place. What is not known counts as there. */
bool
fbk__stock_is_out(const fbk__stock *stock, uint32_t item, uint32_t place);

#endif
