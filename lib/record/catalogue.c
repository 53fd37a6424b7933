/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/catalogue.h"

#include <math.h>
#include <string.h>

#include "base/arrow.h"
#include "base/options.h"
#include "record/catalogue_rows.h"
#include "record/event.h"
#include "store/stmt.h"

#define ITEM_V1_SIZE 72u
#define ITEM_INFO_V1_SIZE 1944u
#define ATTRIBUTE_V1_SIZE 32u
_Static_assert(sizeof(fbk_item) == ITEM_V1_SIZE, "fbk_item v1");
_Static_assert(sizeof(fbk_item_info) == ITEM_INFO_V1_SIZE, "fbk_item_info v1");
_Static_assert(sizeof(fbk_attribute) == ATTRIBUTE_V1_SIZE, "fbk_attribute v1");

static const int64_t PRICE_MAX = INT64_C(1000000000000000);

/* ---- numbers of items and categories ---- */

/* A statement that looks a text up and gives one integer. FBK_DONE when there is no row. */
static fbk_status
lookup(fbk *db, const char *sql, const char *text, size_t len, int64_t *out)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, sql, &st);

    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, text, len);
    rc = fbk__step(st);
    if (rc == FBK_OK)
        *out = fbk__column_int64(st, 0);
    fbk__stmt_put(st);
    return rc;
}

static fbk_status
sku_check(fbk *db, const char *field, int64_t row, fbk__text sku)
{
    if (!sku.p || sku.len == 0)
        return fbk__fail_at(db, FBK_EINVAL, field, row, "%s was missing or empty", field);
    if (sku.len > FBK_SKU_MAX)
        return fbk__fail_at(db, FBK_ERANGE, field, row, "%s had %zu bytes, at most %d are allowed",
                            field, sku.len, FBK_SKU_MAX);
    if (memchr(sku.p, '\0', sku.len))
        return fbk__fail_at(db, FBK_EINVAL, field, row, "%s contained a NUL byte", field);
    return FBK_OK;
}

/* FBK_DONE when the item was there. */
static fbk_status
item_insert(fbk *db, const char *sku, size_t len, int64_t *out)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(
        db, "INSERT INTO item (sku, flags) VALUES (?1, 0) ON CONFLICT (sku) DO NOTHING", &st);

    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, sku, len);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc < 0)
        return rc;
    if (!fbk__changes(db))
        return FBK_DONE;
    *out = fbk__last_rowid(db);
    return fbk__generation_bump(db, FBK__KIND_CATALOGUE);
}

fbk_status
fbk__item_resolve(fbk *db, const char *sku, size_t len, bool create, uint32_t *out_item)
{
    static const char find[] = "SELECT item FROM item WHERE sku = ?1";
    int64_t item = 0;
    fbk_status rc = sku_check(db, "sku", 0, (fbk__text){sku, len});

    if (rc < 0)
        return rc;
    rc = create ? item_insert(db, sku, len, &item) : FBK_DONE;
    if (rc == FBK_DONE)
        rc = lookup(db, find, sku, len, &item);
    if (rc < 0)
        return rc;
    if (rc == FBK_DONE)
        return fbk__fail(db, FBK_ENOTFOUND, "there was no item of this SKU");
    if (item > UINT32_MAX - 1)
        return fbk__fail(db, FBK_ETOOBIG, "the catalogue is full");
    *out_item = (uint32_t)item;
    return FBK_OK;
}

static fbk_status
category_insert(fbk *db, fbk__text path, uint32_t parent, uint32_t *out)
{
    fbk__stmt *st = NULL;
    fbk_status rc =
        fbk__stmt_get(db, "INSERT INTO item_category (path, parent) VALUES (?1, ?2)", &st);

    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, path.p, path.len);
    if (parent > 0)
        fbk__bind_int64(st, 2, parent);
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    if (rc >= 0)
        *out = (uint32_t)fbk__last_rowid(db);
    return rc;
}

/* Number of a path; it and its beginnings are made if new. */
static fbk_status
category_resolve(fbk *db, int64_t row, fbk__text path, uint32_t *out)
{
    static const char find[] = "SELECT category FROM item_category WHERE path = ?1";
    int64_t known = 0;
    uint32_t parent = 0;
    fbk_status rc = lookup(db, find, path.p, path.len, &known);

    if (rc == FBK_OK)
        *out = (uint32_t)known;
    if (rc != FBK_DONE)
        return rc;
    for (size_t end = 0, start = 0; end <= path.len; end++) {
        if (end < path.len && path.p[end] != '/')
            continue;
        if (end == start)
            return fbk__fail_at(db, FBK_EINVAL, "category", row,
                                "category had an empty part: it is a path as \"a/b/c\"");
        start = end + 1;
        rc = lookup(db, find, path.p, end, &known);
        if (rc == FBK_OK)
            parent = (uint32_t)known;
        else if (rc == FBK_DONE)
            rc = category_insert(db, (fbk__text){path.p, end}, parent, &parent);
        if (rc < 0)
            return rc;
    }
    *out = parent;
    return FBK_OK;
}

/* ---- one item ---- */

static fbk_status
item_check(fbk *db, const fbk__item_row *row)
{
    fbk_status rc = sku_check(db, "sku", row->row, row->sku);

    if (rc >= 0)
        rc = fbk__text_check(db, "name", row->row, row->name, FBK_ITEM_NAME_MAX, false);
    if (rc >= 0)
        rc = fbk__text_check(db, "category", row->row, row->category, FBK_CATEGORY_MAX, false);
    if (rc >= 0)
        rc = fbk__text_check(db, "brand", row->row, row->brand, FBK_BRAND_MAX, false);
    if (rc >= 0 && row->parent.len > 0)
        rc = sku_check(db, "parent", row->row, row->parent);
    if (rc >= 0 && row->successor.len > 0)
        rc = sku_check(db, "successor", row->row, row->successor);
    if (rc < 0)
        return rc;
    if ((row->flags & FBK_ITEM_HAS_PRICE) && (row->price_micro < 0 || row->price_micro > PRICE_MAX))
        return fbk__fail_at(db, FBK_ERANGE, "price_micro", row->row,
                            "price_micro was outside [0, 1e15]");
    if ((row->flags & FBK_ITEM_HAS_COST) && (row->cost_micro < 0 || row->cost_micro > PRICE_MAX))
        return fbk__fail_at(db, FBK_ERANGE, "cost_micro", row->row,
                            "cost_micro was outside [0, 1e15]");
    return FBK_OK;
}

/* Walk up from the parent to be: the item must not be met. */
static fbk_status
parent_check(fbk *db, int64_t row, uint32_t item, uint32_t parent)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, "SELECT parent FROM item WHERE item = ?1", &st);

    if (rc < 0)
        return rc;
    for (int depth = 0; parent > 0; depth++) {
        if (parent == item || depth == 32) {
            fbk__stmt_put(st);
            return fbk__fail_at(db, FBK_EINVAL, "parent", row,
                                parent == item ? "the item would be its own ancestor"
                                               : "the item would have more than 32 ancestors");
        }
        fbk__bind_int64(st, 1, parent);
        rc = fbk__step(st);
        parent = rc == FBK_OK ? (uint32_t)fbk__column_int64(st, 0) : 0;
        if (rc == FBK_OK)
            rc = fbk__step(st);
        if (rc < 0)
            break;
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

static void
bind_money(fbk__stmt *st, int param, bool given, bool replace, int64_t micro)
{
    fbk__bind_int64(st, param, given || replace);
    if (given)
        fbk__bind_int64(st, param + 1, micro);
    else
        fbk__bind_null(st, param + 1);
}

/* What the row names by text, as numbers. */
typedef struct item_ids {
    uint32_t item, parent, category, successor;
} item_ids;

static fbk_status
item_update(fbk *db, const fbk__item_row *row, const item_ids *ids)
{
    bool replace = (row->flags & FBK_ITEM_REPLACE) != 0;
    int64_t keep = FBK__ITEM_DESCRIBED | FBK__ITEM_DISCONTINUED, set = FBK__ITEM_DESCRIBED;
    fbk__stmt *st = NULL;
    fbk_status rc;

    if (replace || (row->flags & FBK_ITEM_ACTIVE))
        keep = FBK__ITEM_DESCRIBED;
    if (row->flags & FBK_ITEM_DISCONTINUED)
        set |= FBK__ITEM_DISCONTINUED;
    rc = fbk__stmt_get(db,
                       "UPDATE item SET name = iif(?2, ?3, name), parent = iif(?4, ?5, parent),"
                       " category = iif(?6, ?7, category), brand = iif(?8, ?9, brand),"
                       " price_micro = iif(?10, ?11, price_micro),"
                       " cost_micro = iif(?12, ?13, cost_micro),"
                       " successor = iif(?14, ?15, successor), flags = (flags & ?16) | ?17,"
                       " changed_us = ?18"
                       " WHERE item = ?1",
                       &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, ids->item);
    fbk__bind_given_text(st, 2, row->name, replace);
    fbk__bind_given_id(st, 4, row->parent.p || replace, ids->parent);
    fbk__bind_given_id(st, 6, row->category.p || replace, ids->category);
    fbk__bind_given_text(st, 8, row->brand, replace);
    bind_money(st, 10, row->flags & FBK_ITEM_HAS_PRICE, replace, row->price_micro);
    bind_money(st, 12, row->flags & FBK_ITEM_HAS_COST, replace, row->cost_micro);
    fbk__bind_given_id(st, 14, row->successor.p || replace, ids->successor);
    fbk__bind_int64(st, 16, keep);
    fbk__bind_int64(st, 17, set);
    fbk__bind_int64(st, 18, fbk__event_now());
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk__item_write(fbk *db, const fbk__item_row *row, uint32_t *out_item)
{
    item_ids ids = {0, 0, 0, 0};
    fbk_status rc = item_check(db, row);

    if (rc >= 0)
        rc = fbk__item_resolve(db, row->sku.p, row->sku.len, true, &ids.item);
    if (rc >= 0 && row->parent.len > 0)
        rc = fbk__item_resolve(db, row->parent.p, row->parent.len, true, &ids.parent);
    if (rc >= 0 && ids.parent > 0)
        rc = parent_check(db, row->row, ids.item, ids.parent);
    if (rc >= 0 && row->successor.len > 0)
        rc = fbk__item_resolve(db, row->successor.p, row->successor.len, true, &ids.successor);
    if (rc >= 0 && row->category.len > 0)
        rc = category_resolve(db, row->row, row->category, &ids.category);
    if (rc >= 0)
        rc = item_update(db, row, &ids);
    if (rc >= 0)
        *out_item = ids.item;
    return rc;
}

fbk_status
fbk_item_upsert(fbk *db, const fbk_item *item)
{
    const uint32_t known = FBK_ITEM_HAS_PRICE | FBK_ITEM_HAS_COST | FBK_ITEM_DISCONTINUED |
                           FBK_ITEM_ACTIVE | FBK_ITEM_REPLACE;
    const uint32_t both = FBK_ITEM_DISCONTINUED | FBK_ITEM_ACTIVE;
    fbk__item_row row = {0};
    uint32_t number;
    fbk_item in;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!item)
        return fbk__fail(db, FBK_EINVAL, "item must not be NULL");
    rc = fbk__options_load(db, &in, sizeof in, ITEM_V1_SIZE, item);
    if (rc < 0)
        return rc;
    if ((in.flags & ~known) || (in.flags & both) == both)
        return fbk__fail_at(db, FBK_EINVAL, "flags", 0, "flags had unknown or contradictory bits");
    row = (fbk__item_row){.sku = fbk__text_of(in.sku),
                          .name = fbk__text_of(in.name),
                          .parent = fbk__text_of(in.parent),
                          .category = fbk__text_of(in.category),
                          .brand = fbk__text_of(in.brand),
                          .successor = fbk__text_of(in.successor),
                          .price_micro = in.price_micro,
                          .cost_micro = in.cost_micro,
                          .flags = in.flags};
    rc = item_check(db, &row);
    if (rc < 0)
        return rc;
    rc = fbk__write_begin(db);
    if (rc < 0)
        return rc;
    rc = fbk__item_write(db, &row, &number);
    if (rc >= 0)
        rc = fbk__generation_bump(db, FBK__KIND_CATALOGUE);
    return fbk__write_end(db, rc);
}

/* ---- what is known of one ---- */

static fbk_status
info_read(fbk *db, fbk__stmt *st, fbk_item_info *info)
{
    fbk_status rc = fbk__step(st);
    int64_t flags;
    size_t len;

    if (rc == FBK_DONE)
        return fbk__fail(db, FBK_ENOTFOUND, "there was no item of this SKU");
    if (rc < 0)
        return rc;
    flags = fbk__column_int64(st, 8);
    info->flags = (fbk__column_is_null(st, 5) ? 0u : FBK_ITEM_HAS_PRICE) |
                  (fbk__column_is_null(st, 6) ? 0u : FBK_ITEM_HAS_COST) |
                  (flags & FBK__ITEM_DISCONTINUED ? FBK_ITEM_DISCONTINUED : 0u) |
                  (flags & FBK__ITEM_DESCRIBED ? FBK_ITEM_DESCRIBED : 0u);
    info->price_micro = fbk__column_int64(st, 5);
    info->cost_micro = fbk__column_int64(st, 6);
    fbk__text_copy(info->sku, sizeof info->sku, fbk__column_text(st, 0, &len));
    fbk__text_copy(info->name, sizeof info->name, fbk__column_text(st, 1, &len));
    fbk__text_copy(info->parent, sizeof info->parent, fbk__column_text(st, 2, &len));
    fbk__text_copy(info->category, sizeof info->category, fbk__column_text(st, 3, &len));
    fbk__text_copy(info->brand, sizeof info->brand, fbk__column_text(st, 4, &len));
    fbk__text_copy(info->successor, sizeof info->successor, fbk__column_text(st, 7, &len));
    return FBK_OK;
}

fbk_status
fbk_item_get(fbk *db, const char *sku, fbk_item_info *out)
{
    fbk_item_info info;
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!sku || !out)
        return fbk__fail(db, FBK_EINVAL, "sku and out must not be NULL");
    memset(&info, 0, sizeof info);
    rc = fbk__stmt_get(db,
                       "SELECT i.sku, i.name, p.sku, c.path, i.brand, i.price_micro, i.cost_micro,"
                       " s.sku, i.flags FROM item i LEFT JOIN item p ON p.item = i.parent"
                       " LEFT JOIN item_category c ON c.category = i.category"
                       " LEFT JOIN item s ON s.item = i.successor WHERE i.sku = ?1",
                       &st);
    if (rc < 0)
        return rc;
    fbk__bind_text(st, 1, sku, strlen(sku));
    rc = info_read(db, st, &info);
    fbk__stmt_put(st);
    return rc < 0 ? rc : fbk__result_store(db, out, ITEM_INFO_V1_SIZE, &info, sizeof info);
}

/* ---- attributes ---- */

static fbk_status
attribute_check(fbk *db, int64_t row, fbk__text key, const fbk__attribute_value *value)
{
    fbk_status rc = fbk__text_check(db, "key", row, key, FBK_ATTRIBUTE_KEY_MAX, true);

    if (rc < 0)
        return rc;
    switch (value->type) {
    case FBK_ATTRIBUTE_NONE:
    case FBK_ATTRIBUTE_INT:
        return FBK_OK;
    case FBK_ATTRIBUTE_TEXT:
        if (!value->text.p)
            return fbk__fail_at(db, FBK_EINVAL, "text", row, "text was NULL");
        return fbk__text_check(db, "text", row, value->text, FBK_ATTRIBUTE_TEXT_MAX, false);
    case FBK_ATTRIBUTE_DOUBLE:
        if (!isfinite(value->number))
            return fbk__fail_at(db, FBK_ERANGE, "number", row, "number was not finite");
        return FBK_OK;
    case FBK_ATTRIBUTE_BOOL:
        if (value->integer != 0 && value->integer != 1)
            return fbk__fail_at(db, FBK_ERANGE, "integer", row, "a bool was neither 0 nor 1");
        return FBK_OK;
    default:
        return fbk__fail_at(db, FBK_EINVAL, "type", row, "type was not one of FBK_ATTRIBUTE_*");
    }
}

fbk_status
fbk__attribute_write(fbk *db, int64_t row, uint32_t item, fbk__text key,
                     const fbk__attribute_value *value)
{
    fbk__stmt *st = NULL;
    fbk_status rc = attribute_check(db, row, key, value);

    if (rc < 0)
        return rc;
    rc = fbk__stmt_get(db,
                       "INSERT INTO item_attribute (item, key, type, value, changed_us)"
                       " VALUES (?1, ?2, ?3, ?4, ?5)"
                       " ON CONFLICT (item, key) DO UPDATE SET type = ?3, value = ?4,"
                       " changed_us = ?5",
                       &st);
    if (rc < 0)
        return rc;
    fbk__bind_int64(st, 1, item);
    fbk__bind_text(st, 2, key.p, key.len);
    fbk__bind_int64(st, 3, value->type);
    if (value->type == FBK_ATTRIBUTE_TEXT)
        fbk__bind_text(st, 4, value->text.p, value->text.len);
    else if (value->type == FBK_ATTRIBUTE_DOUBLE)
        fbk__bind_double(st, 4, value->number);
    else
        fbk__bind_int64(st, 4, value->type == FBK_ATTRIBUTE_NONE ? 0 : value->integer);
    fbk__bind_int64(st, 5, fbk__event_now());
    rc = fbk__step_done(st);
    fbk__stmt_put(st);
    return rc;
}

fbk_status
fbk_item_attribute_set(fbk *db, const char *sku, const char *key, const fbk_attribute *attribute)
{
    fbk__attribute_value value;
    fbk_attribute in;
    uint32_t item;
    fbk_status rc = fbk__enter(db);

    if (rc < 0)
        return rc;
    if (!sku || !key || !attribute)
        return fbk__fail(db, FBK_EINVAL, "sku, key and attribute must not be NULL");
    rc = fbk__options_load(db, &in, sizeof in, ATTRIBUTE_V1_SIZE, attribute);
    if (rc < 0)
        return rc;
    value = (fbk__attribute_value){in.type, 0u, fbk__text_of(in.text), in.integer, in.number};
    rc = attribute_check(db, 0, fbk__text_of(key), &value);
    if (rc < 0)
        return rc;
    rc = fbk__write_begin(db);
    if (rc < 0)
        return rc;
    rc = fbk__item_resolve(db, sku, strlen(sku), false, &item);
    if (rc >= 0)
        rc = fbk__attribute_write(db, 0, item, fbk__text_of(key), &value);
    if (rc >= 0)
        rc = fbk__generation_bump(db, FBK__KIND_CATALOGUE);
    return fbk__write_end(db, rc);
}
