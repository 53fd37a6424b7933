/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "act/taste.h"

#include <string.h>

#include "base/map.h"
#include "base/sort.h"

typedef struct reader {
    fbk *db;
    const fbk__items *items;
    fbk__taste *taste;
    fbk__map at;    /* item -> place in taste->items */
    uint32_t order; /* number of the order at hand */
    uint32_t *seen; /* order in which an item was counted last, as taste->items */
    size_t seen_cap;
} reader;

uint32_t
fbk__item_style(const fbk__items *items, uint32_t item)
{
    for (int i = 0; i < 16 && item <= items->n && items->parent[item]; i++)
        item = items->parent[item];
    return item;
}

static fbk_status
taste_add(reader *r, uint32_t item, fbk_time occurred_us)
{
    fbk__taste *t = r->taste;
    bool is_new = false;
    uint64_t *at = fbk__map_put(&r->at, item, &is_new);

    if (!at || !fbk__grow(t->a, &t->items, &t->cap, t->n + 1, sizeof *t->items) ||
        !fbk__grow(t->a, &r->seen, &r->seen_cap, t->n + 1, sizeof *r->seen))
        return fbk__nomem(r->db);
    if (is_new) {
        *at = t->n;
        /* Newest first: the first time it is met is the last time it was bought. */
        t->items[t->n] = (fbk__taste_item){item, 0, occurred_us};
        r->seen[t->n++] = 0;
    }
    if (r->seen[*at] != r->order) {
        r->seen[*at] = r->order;
        t->items[*at].n_orders++;
    }
    return FBK_OK;
}

static fbk_status
taste_event(void *user_data, const fbk__event_view *view)
{
    reader *r = user_data;
    bool any = false;

    if (view->kind != FBK__EVENT_SALE || (view->flags & FBK__FLAG_TEST))
        return FBK_OK;
    r->order++;
    for (size_t i = 0; i < view->n_lines; i++) {
        const fbk__batch_line *line = &view->lines[i];
        fbk_status rc;

        if (line->kind != FBK__LINE_PRODUCT || line->quantity_milli <= 0 || !line->item)
            continue;
        any = true;
        rc = taste_add(r, fbk__item_style(r->items, line->item), view->occurred_us);
        if (rc < 0)
            return rc;
    }
    r->taste->n_orders += any;
    return FBK_OK;
}

/* Stable sorts, least key first. */
static bool
taste_sort(fbk__taste *t)
{
    fbk__sort_item *order = fbk__calloc(t->a, t->n, sizeof *order);
    fbk__taste_item *sorted = fbk__calloc(t->a, t->n, sizeof *sorted);
    bool ok = order && sorted;

    for (int pass = 0; ok && pass < 3; pass++) {
        for (size_t i = 0; i < t->n; i++) {
            uint32_t row = pass == 0 ? (uint32_t)i : order[i].row;
            const fbk__taste_item *x = &t->items[row];

            order[i].row = row;
            order[i].key = pass == 0   ? x->item
                           : pass == 1 ? ~fbk__sort_key_int(x->last_us)
                                       : UINT32_MAX - x->n_orders;
        }
        ok = fbk__sort_items(t->a, order, t->n);
    }
    for (size_t i = 0; ok && i < t->n; i++)
        sorted[i] = t->items[order[i].row];
    fbk__free(t->a, order);
    if (!ok) {
        fbk__free(t->a, sorted);
        return false;
    }
    fbk__free(t->a, t->items);
    t->items = sorted;
    t->cap = t->n;
    return true;
}

fbk_status
fbk__taste_read(fbk *db, const fbk__items *items, const uint32_t *nodes, size_t n_nodes,
                fbk_time before_us, size_t max_events, fbk__taste *out)
{
    reader r = {.db = db, .items = items, .taste = out};
    fbk_status rc;

    memset(out, 0, sizeof *out);
    out->a = fbk__a(db);
    fbk__map_init(&r.at, fbk__a(db));
    rc = fbk__log_history(db, nodes, n_nodes, before_us, max_events, taste_event, &r);
    if (rc >= 0)
        rc = taste_sort(out) ? FBK_OK : fbk__nomem(db);
    fbk__map_free(&r.at);
    fbk__free(fbk__a(db), r.seen);
    if (rc < 0)
        fbk__taste_free(out);
    return rc;
}

void
fbk__taste_free(fbk__taste *taste)
{
    fbk__free(taste->a, taste->items);
    memset(taste, 0, sizeof *taste);
}
