/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "act/family.h"

#include "act/taste.h"
#include "record/snapshot.h"

static void
families_destroy(fbk__shared *me)
{
    fbk__families *f = (fbk__families *)me;
    const fbk_allocator *a = me->a;

    fbk__free(a, f->start);
    fbk__free(a, f->members);
    fbk__free(a, f);
}

static void
families_fill(fbk__families *f, const fbk__items *items)
{
    for (uint32_t item = 1; item <= f->n; item++) {
        if (items->parent[item])
            f->start[fbk__item_style(items, item) + 1]++;
    }
    for (uint32_t style = 0; style <= f->n; style++)
        f->start[style + 1] += f->start[style];
    for (uint32_t item = 1; item <= f->n; item++) {
        if (items->parent[item])
            f->members[f->start[fbk__item_style(items, item)]++] = item;
    }
    /* Filling moved each start to the next one's: move them back. */
    for (uint32_t style = f->n + 1; style > 0; style--)
        f->start[style] = f->start[style - 1];
    f->start[0] = 0;
}

static fbk_status
families_build(fbk *db, fbk__shared **out)
{
    const fbk_allocator *a = fbk__store_allocator(db);
    const fbk__items *items = NULL;
    fbk__families *f = NULL;
    size_t n_members = 0;
    fbk_status rc = fbk__items_acquire(db, &items);

    if (rc < 0)
        return rc;
    f = fbk__calloc(a, 1, sizeof *f);
    if (f) {
        f->shared.a = a;
        f->shared.refs = 1;
        f->shared.destroy = families_destroy;
        f->n = items->n;
        for (uint32_t item = 1; item <= items->n; item++)
            n_members += items->parent[item] != 0;
        f->start = fbk__calloc(a, (size_t)f->n + 2, sizeof *f->start);
        f->members = fbk__calloc(a, n_members, sizeof *f->members);
    }
    if (f && f->start && f->members) {
        families_fill(f, items);
        *out = &f->shared;
    } else {
        fbk__shared_release(f ? &f->shared : NULL);
        rc = fbk__nomem(db);
    }
    fbk__items_release(items);
    return rc;
}

static const fbk__snapshot_class families_class = {FBK__KIND_CATALOGUE, 0, families_build};

fbk_status
fbk__families_acquire(fbk *db, const fbk__families **out)
{
    fbk__shared *shared = NULL;
    fbk_status rc = fbk__snapshot_acquire(db, &families_class, &shared);

    if (rc == FBK_OK)
        *out = (const fbk__families *)shared;
    return rc;
}

void
fbk__families_release(const fbk__families *families)
{
    fbk__shared_release(families ? (fbk__shared *)(uintptr_t)&families->shared : NULL);
}

bool
fbk__family_is_out(const fbk__families *families, const fbk__stock *stock, uint32_t style,
                   uint32_t place)
{
    uint32_t first, last;

    if (!place)
        return false;
    if (fbk__stock_is_out(stock, style, place))
        return true;
    if (style > families->n)
        return false;
    first = families->start[style];
    last = families->start[style + 1];
    for (uint32_t i = first; i < last; i++) {
        if (!fbk__stock_is_out(stock, families->members[i], place))
            return false;
    }
    return last > first;
}
