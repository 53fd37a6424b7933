/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_CATALOGUE_H
#define FEEDBACK_CATALOGUE_H

#include <feedback/arrow.h>
#include <feedback/base.h>

/** @file
 *  Catalogue: items with category, brand, price, cost, attributes, and stock by place.
 *
 *  An item is known by its SKU, byte for byte. One that an event names before the catalogue does
 *  exists from then on, without a description. */
FBK_BEGIN_DECLS

/** Longest texts, in bytes without the NUL. @since 0.1 */
enum {
    FBK_SKU_MAX = 255,            /**< SKU: 1 to this many bytes. */
    FBK_ITEM_NAME_MAX = 511,      /**< Name, UTF-8. */
    FBK_CATEGORY_MAX = 511,       /**< Category path, UTF-8. */
    FBK_BRAND_MAX = 127,          /**< Brand, UTF-8. */
    FBK_ATTRIBUTE_KEY_MAX = 63,   /**< Key of an attribute, UTF-8: 1 to this many bytes. */
    FBK_ATTRIBUTE_TEXT_MAX = 4095 /**< Text of an attribute, UTF-8. */
};

/** Bits of fbk_item.flags and fbk_item_info.flags. @since 0.1 */
enum {
    FBK_ITEM_HAS_PRICE = 1,    /**< price_micro is given. */
    FBK_ITEM_HAS_COST = 2,     /**< cost_micro is given. */
    FBK_ITEM_DISCONTINUED = 4, /**< No longer sold: never recommended. */
    FBK_ITEM_ACTIVE = 8,       /**< Upsert only: sold (again). */
    FBK_ITEM_REPLACE = 16,     /**< Upsert only: what is not given is cleared, not kept. */
    FBK_ITEM_DESCRIBED = 32    /**< Info only: the catalogue described it, not only an event. */
};

/** One item as the caller knows it. What is NULL, or has no flag, stays as it was. @since 0.1 */
typedef struct fbk_item {
    uint32_t struct_size;  /**< sizeof(fbk_item), as the caller was compiled. */
    uint32_t flags;        /**< FBK_ITEM_HAS_PRICE, _HAS_COST, _DISCONTINUED, _ACTIVE, _REPLACE. */
    const char *sku;       /**< 1..FBK_SKU_MAX bytes, any but NUL; required. */
    const char *name;      /**< To show; at most FBK_ITEM_NAME_MAX bytes. */
    const char *parent;    /**< SKU of the style that this is a size or colour of. */
    const char *category;  /**< Path as "a/b/c": no empty part. */
    const char *brand;     /**< At most FBK_BRAND_MAX bytes. */
    const char *successor; /**< SKU of what replaces it. */
    int64_t price_micro;   /**< List price of one unit, millionths, [0, 1e15]. */
    int64_t cost_micro;    /**< What one unit costs the shop, millionths, [0, 1e15]. */
} fbk_item;
#define FBK_ITEM_INIT                                                                              \
    {                                                                                              \
        (uint32_t)sizeof(fbk_item), 0u, NULL, NULL, NULL, NULL, NULL, NULL, INT64_C(0), INT64_C(0) \
    }

/** What the catalogue knows of an item. Texts are NUL-terminated, "" if not known. @since 0.1 */
typedef struct fbk_item_info {
    uint32_t struct_size; /**< sizeof(fbk_item_info), as the caller was compiled. */
    uint32_t flags;       /**< FBK_ITEM_HAS_PRICE, _HAS_COST, _DISCONTINUED, _DESCRIBED. */
    int64_t price_micro;  /**< With FBK_ITEM_HAS_PRICE. */
    int64_t cost_micro;   /**< With FBK_ITEM_HAS_COST. */
    char sku[256];        /**< Its SKU. */
    char name[512];       /**< Name. */
    char parent[256];     /**< SKU of its style. */
    char category[512];   /**< Category path. */
    char brand[128];      /**< Brand. */
    char successor[256];  /**< SKU of what replaces it. */
} fbk_item_info;

/** Types of an attribute's value. @since 0.1 */
enum {
    FBK_ATTRIBUTE_NONE = 0,   /**< Remove the attribute. */
    FBK_ATTRIBUTE_TEXT = 1,   /**< text. */
    FBK_ATTRIBUTE_INT = 2,    /**< integer. */
    FBK_ATTRIBUTE_DOUBLE = 3, /**< number, finite. */
    FBK_ATTRIBUTE_BOOL = 4    /**< integer, 0 or 1. */
};

/** Value of an attribute. @since 0.1 */
typedef struct fbk_attribute {
    uint32_t struct_size; /**< sizeof(fbk_attribute), as the caller was compiled. */
    uint32_t type;        /**< FBK_ATTRIBUTE_*. */
    const char *text;     /**< With FBK_ATTRIBUTE_TEXT: at most FBK_ATTRIBUTE_TEXT_MAX bytes. */
    int64_t integer;      /**< With FBK_ATTRIBUTE_INT and FBK_ATTRIBUTE_BOOL. */
    double number;        /**< With FBK_ATTRIBUTE_DOUBLE. */
} fbk_attribute;

/**
 * Add an item, or change what is known of it.
 *
 * Parent and successor may be SKUs that are not there yet. An item cannot be its own ancestor.
 *
 * @param      db    Connection.
 * @param[in]  item  What is to be stored. Borrowed for the call.
 *
 * @retval FBK_OK        stored.
 * @retval FBK_EINVAL    a pointer is NULL, a text is empty where it may not be or not UTF-8, the
 *                       category has an empty part, an unknown or contradictory flag, or the item
 *                       would be its own ancestor.
 * @retval FBK_ERANGE    a text is too long, or a price is outside its range.
 * @retval FBK_EABI      struct_size fits no version.
 * @retval FBK_EBUSY     the store was locked for longer than the timeout.
 * @retval FBK_EREADONLY the store cannot be written.
 * @retval FBK_ENOMEM    out of memory; nothing was changed.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       one durable commit.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_item_upsert(fbk *db, const fbk_item *item);

/**
 * Add or change many items in one transaction: all or none.
 *
 * Columns by name: `sku` (text, required), `name`, `parent`, `category`, `brand`, `successor`
 * (text), `price_micro` and `cost_micro` (integers) or `price` and `cost` (doubles, in currency
 * units), `discontinued` (bool); a column `attribute.KEY` of any type sets the attribute KEY. A null
 * leaves what is known. Other columns are ignored. The last row of a SKU wins.
 *
 * @param      db        Connection.
 * @param      rows      Stream of rows; taken over also on failure: its release becomes NULL.
 * @param[out] out_rows  Rows stored; may be NULL. Untouched on error.
 *
 * @retval FBK_OK        all rows were stored.
 * @retval FBK_EINVAL    as fbk_item_upsert(), or a column is missing or of a type that does not
 *                       fit; fbk_errinfo names field and row.
 * @retval FBK_ERANGE    a value is outside its range.
 * @retval FBK_EIO       the stream failed.
 * @retval FBK_EBUSY     the store was locked for longer than the timeout.
 * @retval FBK_EREADONLY the store cannot be written.
 * @retval FBK_ENOMEM    out of memory; nothing was changed.
 *
 * @ownership  the stream is released by this call.
 * @threads    connection
 * @cost       O(rows log items), one durable commit.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_item_upsert_rows(fbk *db, struct ArrowArrayStream *rows, int64_t *out_rows);

/**
 * What is known of an item.
 *
 * @param      db   Connection.
 * @param[in]  sku  1..FBK_SKU_MAX bytes.
 * @param[out] out  Caller's structure with struct_size set; untouched on error.
 *
 * @retval FBK_OK        written.
 * @retval FBK_ENOTFOUND there is no such item.
 * @retval FBK_EINVAL    a pointer is NULL.
 * @retval FBK_EABI      struct_size fits no version.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(log items).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_item_get(fbk *db, const char *sku, fbk_item_info *out);

/**
 * Set or remove one attribute of an item.
 *
 * @param      db         Connection.
 * @param[in]  sku        An item that exists.
 * @param[in]  key        1..FBK_ATTRIBUTE_KEY_MAX bytes, UTF-8.
 * @param[in]  attribute  Its value; FBK_ATTRIBUTE_NONE removes it.
 *
 * @retval FBK_OK        stored, or removed.
 * @retval FBK_ENOTFOUND there is no such item.
 * @retval FBK_EINVAL    a pointer is NULL, the type is unknown, a text is not UTF-8.
 * @retval FBK_ERANGE    a text is too long, a number not finite, a bool neither 0 nor 1.
 * @retval FBK_EABI      struct_size fits no version.
 * @retval FBK_EBUSY     the store was locked for longer than the timeout.
 * @retval FBK_EREADONLY the store cannot be written.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       one durable commit.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_item_attribute_set(fbk *db, const char *sku, const char *key, const fbk_attribute *attribute);

/**
 * Attributes of an item, by key.
 *
 * @param      db        Connection.
 * @param[in]  sku       An item that exists.
 * @param[out] out_rows  Columns `key`, `type` (text, int, double, bool), `text`, `integer`, `number`:
 *                       the one of the type is set, the others are null. Untouched on error.
 *
 * @retval FBK_OK        the stream is the caller's.
 * @retval FBK_ENOTFOUND there is no such item.
 * @retval FBK_EINVAL    a pointer is NULL.
 * @retval FBK_ENOMEM    out of memory.
 *
 * @ownership  owned: release by out_rows->release.
 * @threads    connection
 * @cost       O(attributes).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_item_attributes(fbk *db, const char *sku, struct ArrowArrayStream *out_rows);

/**
 * The whole catalogue, in the order in which items became known.
 *
 * @param      db        Connection.
 * @param[out] out_rows  Columns `sku`, `name`, `parent`, `category`, `brand`, `price_micro`,
 *                       `cost_micro`, `successor`, `discontinued`, `described`; what is not known is
 *                       null. Untouched on error.
 *
 * @retval FBK_OK      the stream is the caller's.
 * @retval FBK_EINVAL  a pointer is NULL.
 * @retval FBK_ENOMEM  out of memory.
 *
 * @ownership  owned: release by out_rows->release.
 * @threads    connection
 * @cost       O(items), all in memory.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_item_list(fbk *db, struct ArrowArrayStream *out_rows);

/**
 * Say how much of an item there is at a place.
 *
 * @param      db              Connection.
 * @param[in]  sku             SKU; made if new.
 * @param[in]  place           Code of a place; made if new.
 * @param      quantity_milli  Thousandths of a unit, [-1e15, 1e15]; 0 and less = out of stock.
 * @param      as_of_us        When it was counted, a valid instant.
 *
 * @retval FBK_OK        stored.
 * @retval FBK_DONE      what is stored is newer: nothing was changed.
 * @retval FBK_EINVAL    a pointer is NULL or a text is empty.
 * @retval FBK_ERANGE    a value is outside its range.
 * @retval FBK_EBUSY     the store was locked for longer than the timeout.
 * @retval FBK_EREADONLY the store cannot be written.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       one durable commit.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_stock_set(fbk *db, const char *sku, const char *place, int64_t quantity_milli,
              fbk_time as_of_us);

/**
 * The same for many rows in one transaction: all or none.
 *
 * Columns: `sku`, `place` (text, required), `quantity_milli` (integer) or `quantity` (double, in
 * units), `as_of` (time, required).
 *
 * @param      db        Connection.
 * @param      rows      Stream of rows; taken over also on failure.
 * @param[out] out_rows  Rows that changed something; may be NULL. Untouched on error.
 *
 * @retval FBK_OK        done; rows older than what is stored changed nothing.
 * @retval FBK_EINVAL    a column is missing or of a type that does not fit, a value is null.
 * @retval FBK_ERANGE    a value is outside its range.
 * @retval FBK_EIO       the stream failed.
 * @retval FBK_EBUSY     the store was locked for longer than the timeout.
 * @retval FBK_EREADONLY the store cannot be written.
 * @retval FBK_ENOMEM    out of memory; nothing was changed.
 *
 * @ownership  the stream is released by this call.
 * @threads    connection
 * @cost       O(rows log stock), one durable commit.
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_stock_set_rows(fbk *db, struct ArrowArrayStream *rows, int64_t *out_rows);

/**
 * How much of an item there is at a place, as last told.
 *
 * @param      db                  Connection.
 * @param[in]  sku                 SKU.
 * @param[in]  place               Code of a place.
 * @param[out] out_quantity_milli  Thousandths of a unit; untouched on error.
 * @param[out] out_as_of_us        When it was counted; may be NULL; untouched on error.
 *
 * @retval FBK_OK        written.
 * @retval FBK_ENOTFOUND item, place or stock is not known.
 * @retval FBK_EINVAL    a pointer is NULL.
 *
 * @ownership  keeps no pointer.
 * @threads    connection
 * @cost       O(log stock).
 * @since 0.1
 */
FBK_API FBK_MUST_USE fbk_status
fbk_stock_get(fbk *db, const char *sku, const char *place, int64_t *out_quantity_milli,
              fbk_time *out_as_of_us);

FBK_END_DECLS
#endif
