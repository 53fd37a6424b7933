/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/catalogue.h"

#include <stddef.h>
#include <string.h>

#include "record/snapshot.h"
#include "store/stmt.h"

/* ---- all items ---- */

static void
items_destroy(fbk__shared *shared)
{
    fbk__items *t = (fbk__items *)shared;
    const fbk_allocator *a = shared->a;

    fbk__free(a, t->parent);
    fbk__free(a, t->successor);
    fbk__free(a, t->category);
    fbk__free(a, t->price_micro);
    fbk__free(a, t->cost_micro);
    fbk__free(a, t->flags);
    fbk__free(a, t->sku_at);
    fbk__free(a, t->name_at);
    fbk__free(a, t->category_parent);
    fbk__free(a, t->category_at);
    fbk__free(a, t->item_of);
    fbk__intern_free(&t->skus);
    fbk__intern_free(&t->names);
    fbk__intern_free(&t->paths);
    fbk__free(a, t);
}

static fbk__items *
items_new(const fbk_allocator *a, uint32_t n, uint32_t n_categories)
{
    size_t items = (size_t)n + 1, categories = (size_t)n_categories + 1;
    fbk__items *t = fbk__calloc(a, 1, sizeof *t);

    if (!t)
        return NULL;
    t->shared = (fbk__shared){0, 1, a, items_destroy};
    t->n = n;
    t->n_categories = n_categories;
    fbk__intern_init(&t->skus, a, UINT64_C(0x736b75));
    fbk__intern_init(&t->names, a, UINT64_C(0x6e616d65));
    fbk__intern_init(&t->paths, a, UINT64_C(0x70617468));
    t->parent = fbk__calloc(a, items, sizeof *t->parent);
    t->successor = fbk__calloc(a, items, sizeof *t->successor);
    t->category = fbk__calloc(a, items, sizeof *t->category);
    t->price_micro = fbk__calloc(a, items, sizeof *t->price_micro);
    t->cost_micro = fbk__calloc(a, items, sizeof *t->cost_micro);
    t->flags = fbk__calloc(a, items, sizeof *t->flags);
    t->sku_at = fbk__calloc(a, items, sizeof *t->sku_at);
    t->name_at = fbk__calloc(a, items, sizeof *t->name_at);
    t->item_of = fbk__calloc(a, items, sizeof *t->item_of);
    t->category_parent = fbk__calloc(a, categories, sizeof *t->category_parent);
    t->category_at = fbk__calloc(a, categories, sizeof *t->category_at);
    if (!t->parent || !t->successor || !t->category || !t->price_micro || !t->cost_micro ||
        !t->flags || !t->sku_at || !t->name_at || !t->item_of || !t->category_parent ||
        !t->category_at) {
        items_destroy(&t->shared);
        return NULL;
    }
    for (size_t i = 0; i < items; i++)
        t->price_micro[i] = t->cost_micro[i] = -1;
    return t;
}

/* A text of the row in a dictionary: number + 1, 0 for NULL. */
static bool
intern_column(fbk__stmt *st, int column, fbk__intern *t, uint32_t *out)
{
    size_t len;
    const char *text = fbk__column_text(st, column, &len);
    uint32_t number;

    *out = 0;
    if (fbk__column_is_null(st, column))
        return true;
    number = fbk__intern_add(t, text, len);
    *out = number + 1;
    return number != FBK__INTERN_NONE;
}

static uint32_t
id_column(fbk__stmt *st, int column, uint32_t max)
{
    int64_t id = fbk__column_int64(st, column);

    return id > 0 && id <= max ? (uint32_t)id : 0;
}

static fbk_status
items_read(fbk *db, fbk__items *t)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db,
                                  "SELECT item, sku, name, parent, category, price_micro,"
                                  " cost_micro, successor, flags FROM item ORDER BY item",
                                  &st);

    if (rc < 0)
        return rc;
    while ((rc = fbk__step(st)) == FBK_OK) {
        uint32_t i = id_column(st, 0, t->n);

        if (i == 0)
            continue;
        if (!intern_column(st, 1, &t->skus, &t->sku_at[i]) ||
            !intern_column(st, 2, &t->names, &t->name_at[i])) {
            rc = fbk__nomem(db);
            break;
        }
        t->item_of[t->sku_at[i] - 1] = i;
        t->parent[i] = id_column(st, 3, t->n);
        t->category[i] = id_column(st, 4, t->n_categories);
        if (!fbk__column_is_null(st, 5))
            t->price_micro[i] = fbk__column_int64(st, 5);
        if (!fbk__column_is_null(st, 6))
            t->cost_micro[i] = fbk__column_int64(st, 6);
        t->successor[i] = id_column(st, 7, t->n);
        t->flags[i] = (uint8_t)fbk__column_int64(st, 8);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
categories_read(fbk *db, fbk__items *t)
{
    fbk__stmt *st = NULL;
    fbk_status rc = fbk__stmt_get(db, "SELECT category, path, parent FROM item_category", &st);

    if (rc < 0)
        return rc;
    while ((rc = fbk__step(st)) == FBK_OK) {
        uint32_t i = id_column(st, 0, t->n_categories);

        if (i == 0)
            continue;
        if (!intern_column(st, 1, &t->paths, &t->category_at[i])) {
            rc = fbk__nomem(db);
            break;
        }
        t->category_parent[i] = id_column(st, 2, t->n_categories);
    }
    fbk__stmt_put(st);
    return rc < 0 ? rc : FBK_OK;
}

static fbk_status
items_build(fbk *db, fbk__shared **out)
{
    int64_t n = 0, n_categories = 0;
    fbk__items *t;
    fbk_status rc = fbk__stmt_int(db, "SELECT max(item) FROM item", &n);

    if (rc >= 0)
        rc = fbk__stmt_int(db, "SELECT max(category) FROM item_category", &n_categories);
    if (rc < 0)
        return rc;
    t = items_new(fbk__store_allocator(db), (uint32_t)n, (uint32_t)n_categories);
    if (!t)
        return fbk__nomem(db);
    rc = categories_read(db, t);
    if (rc >= 0)
        rc = items_read(db, t);
    if (rc < 0) {
        items_destroy(&t->shared);
        return rc;
    }
    *out = &t->shared;
    return FBK_OK;
}

static const fbk__snapshot_class items_class = {FBK__KIND_CATALOGUE, 0u, items_build};

fbk_status
fbk__items_acquire(fbk *db, const fbk__items **out)
{
    fbk__shared *shared = NULL;
    fbk_status rc = fbk__snapshot_acquire(db, &items_class, &shared);

    if (rc >= 0)
        *out = (const fbk__items *)shared;
    return rc;
}

void
fbk__items_release(const fbk__items *items)
{
    /* The count is the only part that changes, and only atomically. */
    if (items)
        fbk__shared_release((fbk__shared *)(uintptr_t)&items->shared);
}

static const char *
text_at(const fbk__intern *t, uint32_t number)
{
    size_t len;

    return number > 0 ? fbk__intern_text(t, number - 1, &len) : "";
}

const char *
fbk__item_sku(const fbk__items *items, uint32_t item)
{
    return item <= items->n ? text_at(&items->skus, items->sku_at[item]) : "";
}

const char *
fbk__item_name(const fbk__items *items, uint32_t item)
{
    if (item <= items->n && items->name_at[item] > 0)
        return text_at(&items->names, items->name_at[item]);
    return fbk__item_sku(items, item);
}

const char *
fbk__category_path(const fbk__items *items, uint32_t category)
{
    return category <= items->n_categories ? text_at(&items->paths, items->category_at[category])
                                           : "";
}

uint32_t
fbk__item_find(const fbk__items *items, const char *sku, size_t len)
{
    uint32_t number = fbk__intern_find(&items->skus, sku, len);

    return number == FBK__INTERN_NONE ? 0 : items->item_of[number];
}

/* ---- what is out of stock ---- */

struct fbk__stock {
    fbk__shared shared;
    fbk__map out; /* keys: place << 32 | item */
};

static void
stock_destroy(fbk__shared *shared)
{
    fbk__stock *t = (fbk__stock *)shared;

    fbk__map_free(&t->out);
    fbk__free(shared->a, t);
}

static fbk_status
stock_build(fbk *db, fbk__shared **out)
{
    const fbk_allocator *a = fbk__store_allocator(db);
    fbk__stock *t = fbk__calloc(a, 1, sizeof *t);
    fbk__stmt *st = NULL;
    fbk_status rc;

    if (!t)
        return fbk__nomem(db);
    t->shared = (fbk__shared){0, 1, a, stock_destroy};
    fbk__map_init(&t->out, a);
    rc = fbk__stmt_get(db, "SELECT place, item FROM stock WHERE quantity_milli <= 0", &st);
    while (rc >= 0 && (rc = fbk__step(st)) == FBK_OK) {
        uint64_t place = (uint64_t)fbk__column_int64(st, 0);
        uint64_t item = (uint64_t)fbk__column_int64(st, 1);

        if (!fbk__map_put(&t->out, place << 32 | (item & UINT32_MAX), NULL))
            rc = fbk__nomem(db);
    }
    fbk__stmt_put(st);
    if (rc < 0) {
        stock_destroy(&t->shared);
        return rc;
    }
    *out = &t->shared;
    return FBK_OK;
}

static const fbk__snapshot_class stock_class = {FBK__KIND_STOCK, 0u, stock_build};

fbk_status
fbk__stock_acquire(fbk *db, const fbk__stock **out)
{
    fbk__shared *shared = NULL;
    fbk_status rc = fbk__snapshot_acquire(db, &stock_class, &shared);

    if (rc >= 0)
        *out = (const fbk__stock *)shared;
    return rc;
}

void
fbk__stock_release(const fbk__stock *stock)
{
    if (stock)
        fbk__shared_release((fbk__shared *)(uintptr_t)&stock->shared);
}

bool
fbk__stock_is_out(const fbk__stock *stock, uint32_t item, uint32_t place)
{
    return stock->out.n > 0 && fbk__map_get(&stock->out, (uint64_t)place << 32 | item) != NULL;
}
